/* recommender.h - how much will a user like an item? Factors that are multiplied, plus a small network that also sees what
   the user liked before. */
#ifndef MODELS_RECOMMENDER_H
#define MODELS_RECOMMENDER_H

typedef struct recommender_config { int64_t users, items, dim, hidden; } recommender_config;

typedef struct recommender { tg_module m; tg_module *user, *item, *user_bias, *item_bias, *history, *mlp; } recommender;

/* users [N], items [N]; history [K], the items that all users liked, one user's behind the other's, which begin at
   offsets [N] -> scores [N] */
static tg_tensor *recommender_scores(tg_module *m, tg_tensor *users, tg_tensor *items, tg_tensor *history, tg_tensor *offsets) {
    recommender *b = (recommender *)m;
    if (!m) return NULL;
    tg_tensor *u = tg_forward(b->user, users), *i = tg_forward(b->item, items);                               /* [N, dim] */
    tg_tensor *liked = tg_forward_with(b->history, history, offsets);                                         /* their means, [N, dim] */
    tg_tensor *bias = tg_add(tg_forward(b->user_bias, users), tg_forward(b->item_bias, items));               /* [N, 1] */
    tg_tensor *all[] = { u, i, liked }, *deep = tg_forward(b->mlp, tg_cat(all, 3, 1));                        /* [N, 1] */
    return tg_add(tg_sum_dims(tg_mul(u, i), TG_DIMS(1), false), tg_squeeze(tg_add(bias, deep), 1));
}

static tg_module *recommender_new(tg_ctx *tg, const recommender_config *c) {
    recommender *b = TG_MODULE(tg, recommender, NULL);
    TG_PART(b, user, tg_nn_embedding(tg, c->users, c->dim));
    TG_PART(b, item, tg_nn_embedding(tg, c->items, c->dim));
    TG_PART(b, user_bias, tg_nn_embedding(tg, c->users, 1));
    TG_PART(b, item_bias, tg_nn_embedding(tg, c->items, 1));
    TG_PART(b, history, tg_nn_embedding_bag(tg, c->items, c->dim));
    TG_PART(b, mlp, tg_nn_sequential(tg,
        tg_nn_linear(tg, 3 * c->dim, c->hidden), tg_nn_prelu(tg, 1), tg_nn_layer_norm(tg, c->hidden),
        tg_nn_linear(tg, c->hidden, 1)));
    return TG_MODULE_OF(b);
}

#endif
