/* decode.h - what models share that write one token after another: the keys and values so far, attention to them, the choice
   of the next token, and the loop. */
#ifndef MODELS_DECODE_H
#define MODELS_DECODE_H

#include <math.h>

/* ---- heads ---- */

/* x [N, T, heads * D] -> a view [N, heads, T, D] */
static inline tg_tensor *split_heads(tg_tensor *x, int64_t heads) {
    return tg_transpose(tg_unflatten(x, -1, TG_SHAPE(heads, -1)), 1, 2);
}

/* x [N, heads, T, D] -> [N, T, heads * D] */
static inline tg_tensor *join_heads(tg_tensor *x) { return tg_flatten(tg_transpose(x, 1, 2), 2, 3); }

/* ---- the cache: what is new is computed for the new tokens alone, the rest is remembered ---- */

typedef struct kv_cache {
    tg_tensor *k, *v;                /* [layers, N, heads, room, D] each */
    int64_t length;                  /* positions that are filled, in all layers */
} kv_cache;

/* Of the dtype of `like`. The tensors belong to the scope that is open now. */
static inline kv_cache kv_new(tg_tensor *like, int64_t layers, int64_t n, int64_t heads, int64_t room, int64_t d) {
    kv_cache c = { tg_new_zeros(like, TG_SHAPE(layers, n, heads, room, d)), tg_new_zeros(like, TG_SHAPE(layers, n, heads, room, d)), 0 };
    return c;
}

/* Puts new keys and values of a layer, [N, heads, T, D], behind those of before; then *k and *v are all of them,
   [N, heads, length + T, D]. Without a cache they stay what they are. The model moves `length` when all layers have theirs. */
static inline void kv_put(kv_cache *c, int64_t layer, tg_tensor **k, tg_tensor **v) {
    if (!c || !*k || !*v) return;
    int64_t t = (*k)->shape[2];
    tg_tensor *all_k = tg_narrow(tg_select(c->k, 0, layer), 2, 0, c->length + t);
    tg_tensor *all_v = tg_narrow(tg_select(c->v, 0, layer), 2, 0, c->length + t);
    tg_copy_(tg_narrow(all_k, 2, c->length, t), *k);
    tg_copy_(tg_narrow(all_v, 2, c->length, t), *v);
    *k = all_k;
    *v = all_v;
}

/* ---- attention ---- */

/* A mask of tokens [N, K], 1 for one that counts, as attention takes it: bool [N, 1, 1, K]. */
static inline tg_tensor *padding_mask(tg_tensor *mask) {
    return mask ? tg_ne_scalar(tg_unsqueeze(tg_unsqueeze(mask, 1), 1), 0) : NULL;
}

/* bool [T, K]: which of K keys each of the last T positions sees, those up to itself. */
static inline tg_tensor *causal_mask(tg_ctx *tg, int64_t t, int64_t k) {
    return tg_le(tg_arange(tg, 0, (double)k, 1, TG_I64), tg_unsqueeze(tg_arange(tg, (double)(k - t), (double)k, 1, TG_I64), 1));
}

/* q [N, H, T, D] are the last T of the K positions of k and v [N, Hk, K, D], where Hk divides H. padding: bool [N, 1, 1, K] or
   NULL; scale 0: 1 / sqrt(D). -> [N, H, T, D] */
static inline tg_tensor *causal_attention(tg_tensor *q, tg_tensor *k, tg_tensor *v, tg_tensor *padding, double scale) {
    if (!q || !k || !v) return NULL;
    int64_t t = q->shape[2], all = k->shape[2];
    tg_tensor *mask = padding;
    if (t > 1 && (padding || t < all)) {
        mask = tg_to_device(causal_mask(q->tg, t, all), q->device);
        if (padding) mask = tg_logical_and(mask, padding);
    }
    return tg_scaled_dot_product_attention(q, k, v, .attn_mask = mask, .enable_gqa = true, .is_causal = !mask && t > 1,
                                           .scale = {scale != 0, scale});
}

/* ---- the next token ---- */

typedef struct sampling {
    double  temperature;             /* zero: the likeliest token; below 1 likely ones become likelier */
    int64_t top_k;                   /* only so many of the likeliest; zero: all */
    double  top_p;                   /* only the likeliest that have this probability together; zero: all */
} sampling;

/* logits [N, V] -> i64 [N, 1] */
static inline tg_tensor *sample_token(tg_tensor *logits, sampling s) {
    if (!logits || s.temperature <= 0) return tg_argmax_dim(logits, -1, true);
    logits = tg_div_scalar(logits, s.temperature);
    if (logits && s.top_k > 0 && s.top_k < logits->shape[1]) {
        tg_tensor *least = tg_slice(tg_topk(logits, s.top_k, -1, true, NULL), ":, -1:");        /* [N, 1] */
        logits = tg_masked_fill(logits, tg_lt(logits, least), -INFINITY);
    }
    if (s.top_p > 0 && s.top_p < 1) {
        tg_tensor *place, *sorted = tg_sort(logits, -1, true, &place), *p = tg_softmax(sorted, -1);
        tg_tensor *likelier = tg_sub(tg_cumsum(p, -1), p);                                      /* what all in front of it have */
        logits = tg_scatter(logits, -1, place, tg_masked_fill(sorted, tg_ge_scalar(likelier, s.top_p), -INFINITY));
    }
    return tg_multinomial(tg_softmax(logits, -1), 1, false);
}

/* ---- the loop ---- */

/* Takes the tokens that are new, [N, T], and gives the logits of what comes behind the last of them, [N, V]. */
typedef tg_tensor *(*next_logits)(void *user, tg_tensor *ids);

/* ids [N, T] -> [N, T + count]. A row that has written `end` is filled up with it, and when all have, the loop ends; -1: none does. */
static inline tg_tensor *generate(tg_tensor *ids, int64_t count, sampling s, int64_t end, next_logits next, void *user) {
    if (!ids) return NULL;
    tg_ctx *tg = ids->tg;
    tg_tensor *fresh = ids;
    int64_t prompt = ids->shape[1];
    bool was = tg_grad_mode(tg, false);
    for (int64_t i = 0; ids && i < count; i++) {
        tg_mark scope = tg_begin(tg);
        tg_tensor *token = sample_token(next(user, fresh), s);
        if (end >= 0 && i > 0) {
            tg_tensor *ended = tg_any_dims(tg_eq_scalar(tg_narrow(ids, 1, prompt, i), (double)end), TG_DIMS(1), true);
            if (tg_item(tg_all(ended)) != 0) { tg_end(tg, scope); break; }
            token = tg_where(ended, tg_integer(tg, end), token);
        }
        tg_tensor *both[] = { ids, token };
        ids = tg_end_with(tg, scope, tg_cat(both, 2, 1));
        fresh = tg_narrow(ids, 1, prompt + i, 1);
    }
    tg_grad_mode(tg, was);
    return ids;
}

/* ---- before training ---- */

/* Draws all matrices of m and its parts from a normal distribution, as GPT-2, Llama and BERT begin: 0.02. */
static inline void draw_weights(tg_module *m, double deviation) {
    tg_tensor *w = tg_module_tensor_at(m, "weight");
    if (w && w->ndim > 1) {
        bool was = tg_grad_mode(w->tg, false);
        tg_normal_(w, 0, deviation);
        tg_grad_mode(w->tg, was);
    }
    for (int64_t i = 0; i < tg_module_parts(m); i++) draw_weights(tg_module_part_of(m, i), deviation);
}

#endif
