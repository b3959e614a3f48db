/* gpt2.h - GPT-2 with Hugging Face's names: reads what comes before, tells what comes next.

       tg_module *gpt = gpt2_new(tg, &config);
       tg_load(gpt, "model.safetensors", NULL);
       tg_train(gpt, false);
       ids = gpt2_generate(gpt, ids, 100, (sampling){ .temperature = 0.8, .top_k = 40 });      [N, T] -> [N, T + 100] */
#ifndef MODELS_GPT2_H
#define MODELS_GPT2_H

#include "activations.h"
#include "decode.h"

typedef struct gpt2_config {
    int64_t vocab, positions, width, layers, heads, inner;     /* GPT-2 small: 50257, 1024, 768, 12, 12, 3072 */
    activation act;                                            /* tg_gelu_tanh */
    double eps;                                                /* 1e-5 */
    bool untied;                                               /* lm_head has a weight of its own, not wte's */
    bool no_scale, scale_by_layer;                             /* of scores: not by 1 / sqrt(D); by 1 / (layer + 1) besides */
} gpt2_config;

/* ---- a Linear whose weight is stored the other way round: Hugging Face's Conv1D ---- */

typedef struct gpt2_linear { tg_module m; tg_tensor *weight, *bias; } gpt2_linear;

/* x [..., in] -> [..., out] */
static tg_tensor *gpt2_linear_forward(tg_module *m, tg_tensor *x) {
    gpt2_linear *b = (gpt2_linear *)m;
    return tg_add_(tg_matmul(x, b->weight), b->bias);                                 /* the product is nobody else's yet */
}
static tg_module *gpt2_linear_new(tg_ctx *tg, int64_t in, int64_t out) {
    gpt2_linear *b = TG_MODULE(tg, gpt2_linear, gpt2_linear_forward);
    TG_PARAM(b, weight, tg_zeros(tg, TG_SHAPE(in, out)));
    TG_PARAM(b, bias, tg_zeros(tg, TG_SHAPE(out)));
    return TG_MODULE_OF(b);
}

/* ---- a block ---- */

typedef struct gpt2_block {
    tg_module m;
    tg_module *ln_1, *attention, *projection, *ln_2, *fc, *fc_projection;
    int64_t layer, heads;
    double scale;
    activation act;
} gpt2_block;

/* x [N, T, width] -> same */
static tg_tensor *gpt2_block_run(tg_module *m, tg_tensor *x, tg_tensor *padding, kv_cache *cache) {
    gpt2_block *b = (gpt2_block *)m;
    size_t path = tg_module_enter(m);
    tg_tensor *qkv[3], *q, *k, *v, *y;
    tg_chunk(tg_forward(b->attention, tg_forward(b->ln_1, x)), 3, -1, qkv, 3);        /* [N, T, 3 width] */
    q = split_heads(qkv[0], b->heads);                                                /* [N, heads, T, D] */
    k = split_heads(qkv[1], b->heads);
    v = split_heads(qkv[2], b->heads);
    kv_put(cache, b->layer, &k, &v);
    x = tg_add(x, tg_forward(b->projection, join_heads(causal_attention(q, k, v, padding, b->scale))));
    y = b->act(tg_forward(b->fc, tg_forward(b->ln_2, x)));                            /* [N, T, inner] */
    return tg_module_leave(m, path, tg_add(x, tg_forward(b->fc_projection, y)));
}

static tg_module *gpt2_block_new(tg_ctx *tg, const gpt2_config *c, int64_t layer) {
    gpt2_block *b = TG_MODULE(tg, gpt2_block, NULL);
    if (!b) return NULL;
    b->layer = layer;
    b->heads = c->heads;
    b->scale = c->no_scale ? 1 : 1 / sqrt((double)(c->width / c->heads));
    if (c->scale_by_layer) b->scale /= (double)(layer + 1);
    b->act = c->act;
    TG_PART(b, ln_1, tg_nn_layer_norm(tg, c->width, .eps = TG_IS(c->eps)));
    TG_PART_AS(b, attention, "attn.c_attn", gpt2_linear_new(tg, c->width, 3 * c->width));
    TG_PART_AS(b, projection, "attn.c_proj", gpt2_linear_new(tg, c->width, c->width));
    TG_PART(b, ln_2, tg_nn_layer_norm(tg, c->width, .eps = TG_IS(c->eps)));
    TG_PART_AS(b, fc, "mlp.c_fc", gpt2_linear_new(tg, c->width, c->inner));
    TG_PART_AS(b, fc_projection, "mlp.c_proj", gpt2_linear_new(tg, c->inner, c->width));
    return TG_MODULE_OF(b);
}

/* ---- the model ---- */

typedef struct gpt2 { tg_module m; tg_module *wte, *wpe, *h, *ln_f, *lm_head; gpt2_config c; } gpt2;

/* ids [N, T] behind the `length` ones of the cache, which may be NULL -> what is read off to logits, [N, T, width].
   mask [N, length + T]: 0 for padding; or NULL. */
static tg_tensor *gpt2_hidden(tg_module *m, tg_tensor *ids, tg_tensor *mask, kv_cache *cache) {
    gpt2 *b = (gpt2 *)m;
    if (!m || !ids) return NULL;
    int64_t t = ids->shape[1], past = cache ? cache->length : 0;
    tg_tensor *positions = tg_to_device(tg_arange(m->tg, (double)past, (double)(past + t), 1, TG_I64), ids->device),
        *padding = padding_mask(mask);
    tg_tensor *x = tg_add(tg_forward(b->wte, ids), tg_forward(b->wpe, positions));    /* [N, T, width] */
    for (int64_t i = 0; i < b->c.layers; i++) x = gpt2_block_run(tg_module_part_of(b->h, i), x, padding, cache);
    if (cache) cache->length += t;
    return tg_forward(b->ln_f, x);
}

/* The same -> logits [N, T, vocab], or those of the last token alone [N, vocab], which is far less work. */
static tg_tensor *gpt2_logits(tg_module *m, tg_tensor *ids, tg_tensor *mask, kv_cache *cache) {
    return m ? tg_forward(((gpt2 *)m)->lm_head, gpt2_hidden(m, ids, mask, cache)) : NULL;
}
static tg_tensor *gpt2_last_logits(tg_module *m, tg_tensor *ids, tg_tensor *mask, kv_cache *cache) {
    return m ? tg_forward(((gpt2 *)m)->lm_head, tg_select(gpt2_hidden(m, ids, mask, cache), 1, -1)) : NULL;
}

static tg_module *gpt2_new(tg_ctx *tg, const gpt2_config *c) {
    gpt2 *b = TG_MODULE(tg, gpt2, NULL);
    tg_module *blocks = tg_nn_list(tg);
    if (!b) return NULL;
    b->c = *c;
    for (int64_t i = 0; i < c->layers; i++) tg_nn_append(blocks, gpt2_block_new(tg, c, i));
    TG_PART_AS(b, wte, "transformer.wte", tg_nn_embedding(tg, c->vocab, c->width));
    TG_PART_AS(b, wpe, "transformer.wpe", tg_nn_embedding(tg, c->positions, c->width));
    TG_PART_AS(b, h, "transformer.h", blocks);
    TG_PART_AS(b, ln_f, "transformer.ln_f", tg_nn_layer_norm(tg, c->width, .eps = TG_IS(c->eps)));
    TG_PART(b, lm_head, tg_nn_linear(tg, c->width, c->vocab, .no_bias = true));
    if (!c->untied) tg_module_set(&b->m, "lm_head.weight", tg_module_tensor_at(b->wte, "weight"));
    draw_weights(&b->m, 0.02);
    return TG_MODULE_OF(b);
}

/* ---- writing ---- */

typedef struct gpt2_writer { tg_module *m; kv_cache cache; } gpt2_writer;

static tg_tensor *gpt2_next(void *user, tg_tensor *ids) {
    gpt2_writer *w = (gpt2_writer *)user;
    return gpt2_last_logits(w->m, ids, NULL, &w->cache);
}

/* ids [N, T] -> [N, T + count] */
static inline tg_tensor *gpt2_generate(tg_module *m, tg_tensor *ids, int64_t count, sampling s) {
    gpt2 *b = (gpt2 *)m;
    if (!m || !ids) return NULL;
    tg_mark scope = tg_begin(m->tg);
    gpt2_writer w = { m, kv_new(tg_module_tensor_at(b->ln_f, "weight"), b->c.layers, ids->shape[0], b->c.heads,
                                ids->shape[1] + count, b->c.width / b->c.heads) };
    return tg_end_with(m->tg, scope, generate(ids, count, s, -1, gpt2_next, &w));
}

#endif
