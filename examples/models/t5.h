/* t5.h - T5 with Hugging Face's names (T5ForConditionalGeneration): an encoder reads, a decoder writes.

       tg_module *t5 = t5_new(tg, &config);
       tg_load(t5, "model.safetensors", NULL);
       tg_train(t5, false);
       ids = t5_generate(t5, text, NULL, start, 50, (sampling){ 0 }, end);        [N, S] -> [N, 1 + 50] */
#ifndef MODELS_T5_H
#define MODELS_T5_H

#include "activations.h"
#include "decode.h"

typedef struct t5_config {
    int64_t vocab, width, head_dim, inner, heads, layers, decoder_layers;     /* T5 small: 32128, 512, 64, 2048, 8, 6, 6 */
    int64_t buckets, max_distance;       /* of relative positions: 32, 128 */
    activation act;                      /* tg_relu */
    bool gated;                          /* the feed-forward is wo(act(wi_0 x) * wi_1 x), not wo(act(wi x)) */
    bool untied, no_scale;               /* lm_head has a weight of its own; its operand is not scaled by width^-0.5 */
    double eps, dropout;                 /* 1e-6, 0.1 */
} t5_config;

/* ---- relative positions: a number for each head and each bucket of distances, added to the scores ---- */

/* Distances up to half the buckets have one each, larger ones share more and more; the encoder tells left from right. */
static int64_t t5_bucket(const t5_config *c, int64_t relative, bool decoder) {
    int64_t half = decoder ? c->buckets : c->buckets / 2, exact = half / 2, base = !decoder && relative > 0 ? half : 0;
    int64_t n = relative < 0 ? -relative : decoder ? 0 : relative, far_off;
    if (n < exact) return base + n;
    far_off = exact + (int64_t)(logf((float)n / (float)exact) / (float)log((double)c->max_distance / (double)exact) * (float)(half - exact));
    return base + (far_off < half ? far_off : half - 1);
}

/* What is added to the scores of the last T of K positions: [1, heads, T, K] */
static tg_tensor *t5_position_bias(const t5_config *c, tg_module *table, int64_t t, int64_t k, bool decoder, tg_device where) {
    tg_tensor *bucket = table ? tg_to_device(tg_empty(table->tg, TG_SHAPE(t, k), TG_I64), TG_CPU) : NULL;
    if (!bucket) return NULL;
    for (int64_t i = 0; i < t; i++) {
        for (int64_t j = 0; j < k; j++) ((int64_t *)bucket->data)[i * k + j] = t5_bucket(c, j - (k - t + i), decoder);
    }
    return tg_unsqueeze(tg_permute(tg_forward(table, tg_to_device(bucket, where)), TG_DIMS(2, 0, 1)), 0);
}

/* ---- attention: scores are not scaled ---- */

typedef struct t5_attention { tg_module m; tg_module *q, *k, *v, *o, *relative_attention_bias; int64_t heads; } t5_attention;

/* x [N, T, width] asks `memory` [N, K, width] -> [N, T, width]; mask: [., ., T, K], bool or added. The cache remembers keys and
   values: x's own behind those of before, or those of a memory that stays, once. */
static tg_tensor *t5_attend(tg_module *m, tg_tensor *x, tg_tensor *memory, tg_tensor *mask, kv_cache *cache, int64_t layer) {
    t5_attention *b = (t5_attention *)m;
    size_t path = tg_module_enter(m);
    tg_tensor *q = split_heads(tg_forward(b->q, x), b->heads), *k, *v;                       /* [N, heads, T, D] */
    if (memory != x && cache && cache->length > 0) {
        k = tg_select(cache->k, 0, layer);
        v = tg_select(cache->v, 0, layer);
    } else {
        k = split_heads(tg_forward(b->k, memory), b->heads);
        v = split_heads(tg_forward(b->v, memory), b->heads);
        kv_put(cache, layer, &k, &v);
    }
    x = tg_scaled_dot_product_attention(q, k, v, .attn_mask = mask, .scale = TG_IS(1));
    return tg_module_leave(m, path, tg_forward(b->o, join_heads(x)));
}

static tg_module *t5_attention_new(tg_ctx *tg, const t5_config *c, bool biased) {
    int64_t all = c->heads * c->head_dim;
    t5_attention *b = TG_MODULE(tg, t5_attention, NULL);
    if (b) b->heads = c->heads;
    TG_PART(b, q, tg_nn_linear(tg, c->width, all, .no_bias = true));
    TG_PART(b, k, tg_nn_linear(tg, c->width, all, .no_bias = true));
    TG_PART(b, v, tg_nn_linear(tg, c->width, all, .no_bias = true));
    TG_PART(b, o, tg_nn_linear(tg, all, c->width, .no_bias = true));
    if (biased) TG_PART(b, relative_attention_bias, tg_nn_embedding(tg, c->buckets, c->heads));
    return TG_MODULE_OF(b);
}

/* ---- feed-forward ---- */

typedef struct t5_feed { tg_module m; tg_module *wi, *wi_1, *wo, *dropout; activation act; } t5_feed;

/* x [N, T, width] -> same */
static tg_tensor *t5_feed_forward(tg_module *m, tg_tensor *x) {
    t5_feed *b = (t5_feed *)m;
    tg_tensor *y = b->act(tg_forward(b->wi, x));                     /* [N, T, inner] */
    if (b->wi_1) y = tg_mul(y, tg_forward(b->wi_1, x));
    return tg_forward(b->wo, tg_forward(b->dropout, y));
}

static tg_module *t5_feed_new(tg_ctx *tg, const t5_config *c) {
    t5_feed *b = TG_MODULE(tg, t5_feed, t5_feed_forward);
    if (b) b->act = c->act;
    TG_PART_AS(b, wi, c->gated ? "wi_0" : "wi", tg_nn_linear(tg, c->width, c->inner, .no_bias = true));
    if (c->gated) TG_PART(b, wi_1, tg_nn_linear(tg, c->width, c->inner, .no_bias = true));
    TG_PART(b, wo, tg_nn_linear(tg, c->inner, c->width, .no_bias = true));
    TG_PART(b, dropout, tg_nn_dropout(tg, c->dropout));
    return TG_MODULE_OF(b);
}

/* ---- a block: attention to itself, in the decoder attention to the encoder's result, feed-forward ---- */

typedef struct t5_block { tg_module m; tg_module *self, *self_norm, *cross, *cross_norm, *feed, *norm, *dropout; } t5_block;

typedef struct t5_pass {                 /* what all blocks of a stack are told */
    tg_tensor *bias, *memory, *memory_mask;
    kv_cache *self, *cross;
} t5_pass;

/* x [N, T, width] -> same */
static tg_tensor *t5_block_run(tg_module *m, tg_tensor *x, const t5_pass *pass, int64_t layer) {
    t5_block *b = (t5_block *)m;
    size_t path = tg_module_enter(m);
    tg_tensor *y = tg_forward(b->self_norm, x);
    x = tg_add(x, tg_forward(b->dropout, t5_attend(b->self, y, y, pass->bias, pass->self, layer)));
    if (b->cross) {
        y = t5_attend(b->cross, tg_forward(b->cross_norm, x), pass->memory, pass->memory_mask, pass->cross, layer);
        x = tg_add(x, tg_forward(b->dropout, y));
    }
    x = tg_add(x, tg_forward(b->dropout, tg_forward(b->feed, tg_forward(b->norm, x))));
    return tg_module_leave(m, path, x);
}

static tg_module *t5_block_new(tg_ctx *tg, const t5_config *c, bool decoder, bool first) {
    t5_block *b = TG_MODULE(tg, t5_block, NULL);
    TG_PART_AS(b, self, "layer.0.SelfAttention", t5_attention_new(tg, c, first));
    TG_PART_AS(b, self_norm, "layer.0.layer_norm", tg_nn_rms_norm(tg, c->width, .eps = TG_IS(c->eps)));
    if (decoder) {
        TG_PART_AS(b, cross, "layer.1.EncDecAttention", t5_attention_new(tg, c, false));
        TG_PART_AS(b, cross_norm, "layer.1.layer_norm", tg_nn_rms_norm(tg, c->width, .eps = TG_IS(c->eps)));
    }
    TG_PART_AS(b, feed, decoder ? "layer.2.DenseReluDense" : "layer.1.DenseReluDense", t5_feed_new(tg, c));
    TG_PART_AS(b, norm, decoder ? "layer.2.layer_norm" : "layer.1.layer_norm", tg_nn_rms_norm(tg, c->width, .eps = TG_IS(c->eps)));
    TG_PART(b, dropout, tg_nn_dropout(tg, c->dropout));
    return TG_MODULE_OF(b);
}

/* ---- the model ---- */

typedef struct t5 {
    tg_module m;
    tg_module *shared, *encoder, *encoder_norm, *decoder, *decoder_norm, *lm_head, *dropout;
    t5_config c;
} t5;

/* The first block of a stack has the table of position biases, for all of them. */
static tg_module *t5_table(tg_module *blocks) { return tg_module_at(blocks, "0.layer.0.SelfAttention.relative_attention_bias"); }

/* ids [N, S], mask [N, S] (0 for padding) or NULL -> [N, S, width] */
static tg_tensor *t5_encode(tg_module *m, tg_tensor *ids, tg_tensor *mask) {
    t5 *b = (t5 *)m;
    if (!m || !ids) return NULL;
    t5_pass pass = { t5_position_bias(&b->c, t5_table(b->encoder), ids->shape[1], ids->shape[1], false, ids->device),
        NULL, NULL, NULL, NULL };
    if (mask) pass.bias = tg_masked_fill(pass.bias, tg_logical_not(padding_mask(mask)), -INFINITY);
    tg_tensor *x = tg_forward(b->dropout, tg_forward(b->shared, ids));
    for (int64_t i = 0; i < b->c.layers; i++) x = t5_block_run(tg_module_part_of(b->encoder, i), x, &pass, i);
    return tg_forward(b->dropout, tg_forward(b->encoder_norm, x));
}

/* ids [N, T] and their mask, or NULL; memory [N, S, width] from the encoder, and its mask; the caches may be NULL
   -> logits [N, T, vocab] */
static tg_tensor *t5_decode(tg_module *m, tg_tensor *ids, tg_tensor *mask, tg_tensor *memory, tg_tensor *memory_mask,
                            kv_cache *self, kv_cache *cross) {
    t5 *b = (t5 *)m;
    if (!m || !ids || !memory) return NULL;
    int64_t t = ids->shape[1], k = t + (self ? self->length : 0);
    tg_tensor *seen = tg_to_device(causal_mask(m->tg, t, k), ids->device), *x;
    t5_pass pass = { t5_position_bias(&b->c, t5_table(b->decoder), t, k, true, ids->device), memory,
        padding_mask(memory_mask), self, cross };
    if (mask) seen = tg_logical_and(seen, padding_mask(mask));
    pass.bias = tg_masked_fill(pass.bias, tg_logical_not(seen), -INFINITY);
    x = tg_forward(b->dropout, tg_forward(b->shared, ids));
    for (int64_t i = 0; i < b->c.decoder_layers; i++) x = t5_block_run(tg_module_part_of(b->decoder, i), x, &pass, i);
    if (self) self->length += t;
    if (cross) cross->length = memory->shape[1];
    x = tg_forward(b->dropout, tg_forward(b->decoder_norm, x));
    return tg_forward(b->lm_head, b->c.no_scale ? x : tg_mul_scalar(x, 1 / sqrt((double)b->c.width)));
}

static tg_module *t5_new(tg_ctx *tg, const t5_config *c) {
    t5 *b = TG_MODULE(tg, t5, NULL);
    tg_module *encoder = tg_nn_list(tg), *decoder = tg_nn_list(tg);
    if (!b) return NULL;
    b->c = *c;
    for (int64_t i = 0; i < c->layers; i++) tg_nn_append(encoder, t5_block_new(tg, c, false, i == 0));
    for (int64_t i = 0; i < c->decoder_layers; i++) tg_nn_append(decoder, t5_block_new(tg, c, true, i == 0));
    TG_PART(b, shared, tg_nn_embedding(tg, c->vocab, c->width));
    TG_PART_AS(b, encoder, "encoder.block", encoder);
    TG_PART_AS(b, encoder_norm, "encoder.final_layer_norm", tg_nn_rms_norm(tg, c->width, .eps = TG_IS(c->eps)));
    TG_PART_AS(b, decoder, "decoder.block", decoder);
    TG_PART_AS(b, decoder_norm, "decoder.final_layer_norm", tg_nn_rms_norm(tg, c->width, .eps = TG_IS(c->eps)));
    TG_PART(b, lm_head, tg_nn_linear(tg, c->width, c->vocab, .no_bias = true));
    if (!c->untied) tg_module_set(&b->m, "lm_head.weight", tg_module_tensor_at(b->shared, "weight"));
    TG_PART(b, dropout, tg_nn_dropout(tg, c->dropout));
    return TG_MODULE_OF(b);
}

/* ---- writing ---- */

typedef struct t5_writer { tg_module *m; tg_tensor *memory, *memory_mask; kv_cache self, cross; } t5_writer;

static tg_tensor *t5_next(void *user, tg_tensor *ids) {
    t5_writer *w = (t5_writer *)user;
    return tg_select(t5_decode(w->m, ids, NULL, w->memory, w->memory_mask, &w->self, &w->cross), 1, -1);
}

/* text [N, S], its mask or NULL; start [N, T]: what the writing begins with, one start token as a rule -> [N, T + count] */
static inline tg_tensor *t5_generate(tg_module *m, tg_tensor *text, tg_tensor *mask, tg_tensor *start, int64_t count,
    sampling s, int64_t end) {
    t5 *b = (t5 *)m;
    if (!m || !text || !start) return NULL;
    tg_mark scope = tg_begin(m->tg);
    bool was = tg_grad_mode(m->tg, false);
    tg_tensor *like = tg_module_tensor_at(b->encoder_norm, "weight");
    t5_writer w = { m, t5_encode(m, text, mask), mask,
        kv_new(like, b->c.decoder_layers, text->shape[0], b->c.heads, start->shape[1] + count, b->c.head_dim),
        kv_new(like, b->c.decoder_layers, text->shape[0], b->c.heads, text->shape[1], b->c.head_dim) };
    tg_grad_mode(m->tg, was);
    return tg_end_with(m->tg, scope, generate(start, count, s, end, t5_next, &w));
}

#endif
