/* llama.h - Llama 1 to 3 with Hugging Face's names: RMSNorm, rotary positions, grouped heads, a gated feed-forward.

       tg_module *llama = llama_new(tg, &config);
       tg_load(llama, "model.safetensors", NULL);
       tg_train(llama, false);
       ids = llama_generate(llama, ids, 100, (sampling){ .temperature = 0.6, .top_p = 0.9 }, end);   [N, T] -> [N, T + 100]

   Weights in several files are loaded one after another, each with a tg_load_report, for each lacks what the others hold. */
#ifndef MODELS_LLAMA_H
#define MODELS_LLAMA_H

#include "activations.h"
#include "decode.h"

typedef enum llama_rope { LLAMA_ROPE_PLAIN = 0, LLAMA_ROPE_LINEAR, LLAMA_ROPE_DYNAMIC, LLAMA_ROPE_LLAMA3 } llama_rope;

typedef struct llama_config {
    int64_t vocab, width, inner, layers, heads, kv_heads, head_dim;   /* Llama 3 8B: 128256, 4096, 14336, 32, 32, 8, 128 */
    activation act;                  /* tg_silu */
    double eps, theta;               /* 1e-5, 500000 */
    bool attention_bias, mlp_bias;
    bool tied;                       /* lm_head's weight is embed_tokens' */
    llama_rope rope;                 /* how positions beyond those of the first training are reached */
    double factor;                   /* by so much slower */
    double low_freq, high_freq;      /* llama3: 1, 4 */
    double old_positions;            /* dynamic, llama3: those of the first training, 8192 */
} llama_config;

/* ---- rotary positions: the pair (x[i], x[i + D/2]) turns by the angle position * frequency[i] ---- */

/* [D / 2], for sequences of so many positions */
static tg_tensor *llama_frequencies(tg_ctx *tg, const llama_config *c, int64_t length) {
    double d = (double)c->head_dim, theta = c->theta, longer = (double)length / c->old_positions;
    tg_tensor *out = tg_to_device(tg_empty(tg, TG_SHAPE(c->head_dim / 2), TG_F32), TG_CPU);    /* wherever others are made */
    if (!out) return NULL;
    if (c->rope == LLAMA_ROPE_DYNAMIC && longer > 1) theta *= pow(c->factor * longer - (c->factor - 1), d / (d - 2));
    for (int64_t i = 0; i < c->head_dim / 2; i++) {
        double f = pow(theta, -2.0 * (double)i / d);
        if (c->rope == LLAMA_ROPE_LINEAR) f /= c->factor;
        if (c->rope == LLAMA_ROPE_LLAMA3) {
            /* how often it turns in the old length: often stays, seldom slows down, in between goes over */
            double turns = c->old_positions * f / 6.283185307179586;
            double stays = (turns - c->low_freq) / (c->high_freq - c->low_freq);
            stays = stays < 0 ? 0 : stays > 1 ? 1 : stays;
            f = stays * f + (1 - stays) * f / c->factor;
        }
        ((float *)out->data)[i] = (float)f;
    }
    return out;
}

/* x [N, H, T, D], cos and sin [T, D] -> x cos + (-x2, x1) sin */
static tg_tensor *llama_turn(tg_tensor *x, tg_tensor *cos, tg_tensor *sin) {
    tg_tensor *half[2];
    tg_chunk(x, 2, -1, half, 2);
    tg_tensor *turned[] = { tg_neg(half[1]), half[0] };
    return tg_add(tg_mul(x, cos), tg_mul(tg_cat(turned, 2, -1), sin));
}

/* ---- a block ---- */

typedef struct llama_block {
    tg_module m;
    tg_module *input_layernorm, *q, *k, *v, *o, *post_attention_layernorm, *gate, *up, *down;
    int64_t layer, heads, kv_heads;
    activation act;
} llama_block;

typedef struct llama_pass { tg_tensor *cos, *sin, *padding; kv_cache *cache; } llama_pass;   /* what all blocks are told */

/* x [N, T, width] -> same */
static tg_tensor *llama_block_run(tg_module *m, tg_tensor *x, const llama_pass *pass) {
    llama_block *b = (llama_block *)m;
    size_t path = tg_module_enter(m);
    tg_tensor *y = tg_forward(b->input_layernorm, x);
    tg_tensor *q = llama_turn(split_heads(tg_forward(b->q, y), b->heads), pass->cos, pass->sin);       /* [N, heads, T, D]    */
    tg_tensor *k = llama_turn(split_heads(tg_forward(b->k, y), b->kv_heads), pass->cos, pass->sin);    /* [N, kv_heads, T, D] */
    tg_tensor *v = split_heads(tg_forward(b->v, y), b->kv_heads);
    kv_put(pass->cache, b->layer, &k, &v);
    x = tg_add(x, tg_forward(b->o, join_heads(causal_attention(q, k, v, pass->padding, 0))));
    y = tg_forward(b->post_attention_layernorm, x);
    y = tg_mul(b->act(tg_forward(b->gate, y)), tg_forward(b->up, y));                                  /* [N, T, inner] */
    return tg_module_leave(m, path, tg_add(x, tg_forward(b->down, y)));
}

static tg_module *llama_block_new(tg_ctx *tg, const llama_config *c, int64_t layer) {
    int64_t all = c->heads * c->head_dim, kv = c->kv_heads * c->head_dim;
    bool bare = !c->attention_bias, thin = !c->mlp_bias;
    llama_block *b = TG_MODULE(tg, llama_block, NULL);
    if (!b) return NULL;
    b->layer = layer;
    b->heads = c->heads;
    b->kv_heads = c->kv_heads;
    b->act = c->act;
    TG_PART(b, input_layernorm, tg_nn_rms_norm(tg, c->width, .eps = TG_IS(c->eps)));
    TG_PART_AS(b, q, "self_attn.q_proj", tg_nn_linear(tg, c->width, all, .no_bias = bare));
    TG_PART_AS(b, k, "self_attn.k_proj", tg_nn_linear(tg, c->width, kv, .no_bias = bare));
    TG_PART_AS(b, v, "self_attn.v_proj", tg_nn_linear(tg, c->width, kv, .no_bias = bare));
    TG_PART_AS(b, o, "self_attn.o_proj", tg_nn_linear(tg, all, c->width, .no_bias = bare));
    TG_PART(b, post_attention_layernorm, tg_nn_rms_norm(tg, c->width, .eps = TG_IS(c->eps)));
    TG_PART_AS(b, gate, "mlp.gate_proj", tg_nn_linear(tg, c->width, c->inner, .no_bias = thin));
    TG_PART_AS(b, up, "mlp.up_proj", tg_nn_linear(tg, c->width, c->inner, .no_bias = thin));
    TG_PART_AS(b, down, "mlp.down_proj", tg_nn_linear(tg, c->inner, c->width, .no_bias = thin));
    return TG_MODULE_OF(b);
}

/* ---- the model ---- */

typedef struct llama { tg_module m; tg_module *embed_tokens, *layers, *norm, *lm_head; llama_config c; } llama;

/* ids [N, T] behind the `length` ones of the cache, which may be NULL -> logits [N, T, vocab].
   mask [N, length + T]: 0 for padding; or NULL. */
static tg_tensor *llama_logits(tg_module *m, tg_tensor *ids, tg_tensor *mask, kv_cache *cache) {
    llama *b = (llama *)m;
    if (!m || !ids) return NULL;
    tg_ctx *tg = m->tg;
    int64_t t = ids->shape[1], past = cache ? cache->length : 0;
    tg_tensor *positions = tg_to_device(tg_arange(tg, (double)past, (double)(past + t), 1, TG_F32), ids->device);
    tg_tensor *half = tg_outer(positions, tg_to_device(llama_frequencies(tg, &b->c, past + t), ids->device));    /* [T, D / 2] */
    tg_tensor *halves[] = { half, half }, *angle = tg_cat(halves, 2, -1);                      /* [T, D] */
    tg_tensor *x = tg_forward(b->embed_tokens, ids);                                           /* [N, T, width] */
    if (!x) return NULL;
    llama_pass pass = { tg_to(tg_cos(angle), x->dtype), tg_to(tg_sin(angle), x->dtype), padding_mask(mask), cache };
    for (int64_t i = 0; i < b->c.layers; i++) x = llama_block_run(tg_module_part_of(b->layers, i), x, &pass);
    if (cache) cache->length += t;
    return tg_forward(b->lm_head, tg_forward(b->norm, x));
}

static tg_module *llama_new(tg_ctx *tg, const llama_config *c) {
    llama *b = TG_MODULE(tg, llama, NULL);
    tg_module *blocks = tg_nn_list(tg);
    if (!b) return NULL;
    b->c = *c;
    for (int64_t i = 0; i < c->layers; i++) tg_nn_append(blocks, llama_block_new(tg, c, i));
    TG_PART_AS(b, embed_tokens, "model.embed_tokens", tg_nn_embedding(tg, c->vocab, c->width));
    TG_PART_AS(b, layers, "model.layers", blocks);
    TG_PART_AS(b, norm, "model.norm", tg_nn_rms_norm(tg, c->width, .eps = TG_IS(c->eps)));
    TG_PART(b, lm_head, tg_nn_linear(tg, c->width, c->vocab, .no_bias = true));
    if (c->tied) tg_module_set(&b->m, "lm_head.weight", tg_module_tensor_at(b->embed_tokens, "weight"));
    draw_weights(&b->m, 0.02);
    return TG_MODULE_OF(b);
}

/* ---- writing ---- */

typedef struct llama_writer { tg_module *m; kv_cache cache; } llama_writer;

static tg_tensor *llama_next(void *user, tg_tensor *ids) {
    llama_writer *w = (llama_writer *)user;
    return tg_select(llama_logits(w->m, ids, NULL, &w->cache), 1, -1);
}

/* ids [N, T] -> [N, T + count], or less where all rows have written the token `end`; -1: none ends. */
static inline tg_tensor *llama_generate(tg_module *m, tg_tensor *ids, int64_t count, sampling s, int64_t end) {
    llama *b = (llama *)m;
    if (!m || !ids) return NULL;
    tg_mark scope = tg_begin(m->tg);
    llama_writer w = { m, kv_new(tg_module_tensor_at(b->norm, "weight"), b->c.layers, ids->shape[0], b->c.kv_heads,
                                 ids->shape[1] + count, b->c.head_dim) };
    return tg_end_with(m->tg, scope, generate(ids, count, s, end, llama_next, &w));
}

#endif
