/* whisper.h - Whisper with Hugging Face's names (WhisperForConditionalGeneration): from a spectrogram to text.

       tg_module *whisper = whisper_new(tg, &config);
       tg_load(whisper, "model.safetensors", NULL);
       tg_train(whisper, false);
       ids = whisper_generate(whisper, features, start, 100, (sampling){ 0 }, end);
           features [N, mels, frames], start [N, T] -> [N, T + 100] */
#ifndef MODELS_WHISPER_H
#define MODELS_WHISPER_H

#include "activations.h"
#include "decode.h"

typedef struct whisper_config {
    int64_t vocab, mels, width;                                        /* Whisper tiny: 51865, 80, 384 */
    int64_t encoder_layers, encoder_heads, encoder_inner;              /* 4, 6, 1536 */
    int64_t decoder_layers, decoder_heads, decoder_inner;              /* 4, 6, 1536 */
    int64_t source_positions, target_positions;                        /* 1500, 448 */
    activation act;                                                    /* tg_gelu */
    bool scale_embedding, untied;
    double dropout;
} whisper_config;

/* ---- attention ---- */

typedef struct whisper_attention { tg_module m; tg_module *q_proj, *k_proj, *v_proj, *out_proj; int64_t heads; } whisper_attention;

/* x [N, T, width] asks `memory` [N, K, width], which may be x itself: then what comes later is not seen, if `causal` -> [N, T, width].
   The cache remembers keys and values: x's own behind those of before, or those of a memory that stays, once. */
static tg_tensor *whisper_attend(tg_module *m, tg_tensor *x, tg_tensor *memory, bool causal, kv_cache *cache, int64_t layer) {
    whisper_attention *b = (whisper_attention *)m;
    size_t path = tg_module_enter(m);
    tg_tensor *q = split_heads(tg_forward(b->q_proj, x), b->heads), *k, *v;                      /* [N, heads, T, D] */
    if (memory != x && cache && cache->length > 0) {
        k = tg_select(cache->k, 0, layer);
        v = tg_select(cache->v, 0, layer);
    } else {
        k = split_heads(tg_forward(b->k_proj, memory), b->heads);
        v = split_heads(tg_forward(b->v_proj, memory), b->heads);
        kv_put(cache, layer, &k, &v);
    }
    x = causal ? causal_attention(q, k, v, NULL, 0) : tg_scaled_dot_product_attention(q, k, v);
    return tg_module_leave(m, path, tg_forward(b->out_proj, join_heads(x)));
}

static tg_module *whisper_attention_new(tg_ctx *tg, int64_t width, int64_t heads) {
    whisper_attention *b = TG_MODULE(tg, whisper_attention, NULL);
    if (b) b->heads = heads;
    TG_PART(b, q_proj, tg_nn_linear(tg, width, width));
    TG_PART(b, k_proj, tg_nn_linear(tg, width, width, .no_bias = true));
    TG_PART(b, v_proj, tg_nn_linear(tg, width, width));
    TG_PART(b, out_proj, tg_nn_linear(tg, width, width));
    return TG_MODULE_OF(b);
}

/* ---- a layer of either stack: those of the decoder ask the encoder's result as well ---- */

typedef struct whisper_layer {
    tg_module m;
    tg_module *self_attn, *self_attn_layer_norm, *encoder_attn, *encoder_attn_layer_norm, *fc1, *fc2, *final_layer_norm, *dropout;
    activation act;
} whisper_layer;

/* x [N, T, width] -> same; memory NULL in the encoder */
static tg_tensor *whisper_layer_run(tg_module *m, tg_tensor *x, tg_tensor *memory, kv_cache *self, kv_cache *cross, int64_t layer) {
    whisper_layer *b = (whisper_layer *)m;
    size_t path = tg_module_enter(m);
    tg_tensor *y = tg_forward(b->self_attn_layer_norm, x);
    x = tg_add(x, tg_forward(b->dropout, whisper_attend(b->self_attn, y, y, memory != NULL, self, layer)));
    if (b->encoder_attn) {
        y = whisper_attend(b->encoder_attn, tg_forward(b->encoder_attn_layer_norm, x), memory, false, cross, layer);
        x = tg_add(x, tg_forward(b->dropout, y));
    }
    y = b->act(tg_forward(b->fc1, tg_forward(b->final_layer_norm, x)));                          /* [N, T, inner] */
    return tg_module_leave(m, path, tg_add(x, tg_forward(b->dropout, tg_forward(b->fc2, y))));
}

static tg_module *whisper_layer_new(tg_ctx *tg, const whisper_config *c, bool decoder) {
    int64_t heads = decoder ? c->decoder_heads : c->encoder_heads, inner = decoder ? c->decoder_inner : c->encoder_inner;
    whisper_layer *b = TG_MODULE(tg, whisper_layer, NULL);
    if (b) b->act = c->act;
    TG_PART(b, self_attn, whisper_attention_new(tg, c->width, heads));
    TG_PART(b, self_attn_layer_norm, tg_nn_layer_norm(tg, c->width));
    if (decoder) {
        TG_PART(b, encoder_attn, whisper_attention_new(tg, c->width, heads));
        TG_PART(b, encoder_attn_layer_norm, tg_nn_layer_norm(tg, c->width));
    }
    TG_PART(b, fc1, tg_nn_linear(tg, c->width, inner));
    TG_PART(b, fc2, tg_nn_linear(tg, inner, c->width));
    TG_PART(b, final_layer_norm, tg_nn_layer_norm(tg, c->width));
    TG_PART(b, dropout, tg_nn_dropout(tg, c->dropout));
    return TG_MODULE_OF(b);
}

/* ---- the model ---- */

typedef struct whisper {
    tg_module m;
    tg_module *conv1, *conv2, *encoder, *encoder_norm, *tokens, *positions, *decoder, *decoder_norm, *proj_out, *dropout;
    tg_tensor *sinusoids;                /* [source_positions, width]: the encoder's positions, which are not trained */
    whisper_config c;
} whisper;

/* features [N, mels, frames] -> [N, frames / 2, width] */
static tg_tensor *whisper_encode(tg_module *m, tg_tensor *features) {
    whisper *b = (whisper *)m;
    if (!m || !features) return NULL;
    tg_tensor *x = tg_gelu(tg_forward(b->conv2, tg_gelu(tg_forward(b->conv1, features))));       /* [N, width, frames / 2] */
    x = tg_transpose(x, 1, 2);
    if (!x) return NULL;
    x = tg_forward(b->dropout, tg_add(x, tg_narrow(b->sinusoids, 0, 0, x->shape[1])));
    for (int64_t i = 0; i < b->c.encoder_layers; i++) x = whisper_layer_run(tg_module_part_of(b->encoder, i), x, NULL, NULL, NULL, i);
    return tg_forward(b->encoder_norm, x);
}

/* ids [N, T] behind those of the cache, memory from the encoder; the caches may be NULL -> logits [N, T, vocab] */
static tg_tensor *whisper_decode(tg_module *m, tg_tensor *ids, tg_tensor *memory, kv_cache *self, kv_cache *cross) {
    whisper *b = (whisper *)m;
    if (!m || !ids || !memory) return NULL;
    int64_t t = ids->shape[1], past = self ? self->length : 0;
    tg_tensor *x = tg_forward(b->tokens, ids),
        *positions = tg_to_device(tg_arange(m->tg, (double)past, (double)(past + t), 1, TG_I64), ids->device);
    if (b->c.scale_embedding) x = tg_mul_scalar(x, sqrt((double)b->c.width));
    x = tg_forward(b->dropout, tg_add(x, tg_forward(b->positions, positions)));
    for (int64_t i = 0; i < b->c.decoder_layers; i++) x = whisper_layer_run(tg_module_part_of(b->decoder, i), x, memory, self, cross, i);
    if (self) self->length += t;
    if (cross) cross->length = memory->shape[1];
    return tg_forward(b->proj_out, tg_forward(b->decoder_norm, x));
}

/* [n, width]: sines, then cosines, of frequencies from 1 down to 1 / 10000 */
static tg_tensor *whisper_sinusoids(tg_ctx *tg, int64_t n, int64_t width) {
    tg_tensor *frequency = tg_exp(tg_mul_scalar(tg_arange(tg, 0, (double)(width / 2), 1, TG_F32), -log(10000.0) / (double)(width / 2 - 1)));
    tg_tensor *angle = tg_outer(tg_arange(tg, 0, (double)n, 1, TG_F32), frequency);
    tg_tensor *both[] = { tg_sin(angle), tg_cos(angle) };
    return tg_cat(both, 2, 1);
}

static tg_module *whisper_new(tg_ctx *tg, const whisper_config *c) {
    whisper *b = TG_MODULE(tg, whisper, NULL);
    tg_module *encoder = tg_nn_list(tg), *decoder = tg_nn_list(tg);
    if (!b) return NULL;
    b->c = *c;
    for (int64_t i = 0; i < c->encoder_layers; i++) tg_nn_append(encoder, whisper_layer_new(tg, c, false));
    for (int64_t i = 0; i < c->decoder_layers; i++) tg_nn_append(decoder, whisper_layer_new(tg, c, true));
    TG_PART_AS(b, conv1, "model.encoder.conv1", tg_nn_conv1d(tg, c->mels, c->width, 3, .padding = {1}));
    TG_PART_AS(b, conv2, "model.encoder.conv2", tg_nn_conv1d(tg, c->width, c->width, 3, .padding = {1}, .stride = {2}));
    TG_PARAM_AS(b, sinusoids, "model.encoder.embed_positions.weight", whisper_sinusoids(tg, c->source_positions, c->width));
    tg_require_grad(b->sinusoids, false);
    TG_PART_AS(b, encoder, "model.encoder.layers", encoder);
    TG_PART_AS(b, encoder_norm, "model.encoder.layer_norm", tg_nn_layer_norm(tg, c->width));
    TG_PART_AS(b, tokens, "model.decoder.embed_tokens", tg_nn_embedding(tg, c->vocab, c->width));
    TG_PART_AS(b, positions, "model.decoder.embed_positions", tg_nn_embedding(tg, c->target_positions, c->width));
    TG_PART_AS(b, decoder, "model.decoder.layers", decoder);
    TG_PART_AS(b, decoder_norm, "model.decoder.layer_norm", tg_nn_layer_norm(tg, c->width));
    TG_PART(b, proj_out, tg_nn_linear(tg, c->width, c->vocab, .no_bias = true));
    if (!c->untied) tg_module_set(&b->m, "proj_out.weight", tg_module_tensor_at(b->tokens, "weight"));
    TG_PART(b, dropout, tg_nn_dropout(tg, c->dropout));
    draw_weights(&b->m, 0.02);
    return TG_MODULE_OF(b);
}

/* ---- writing ---- */

typedef struct whisper_writer { tg_module *m; tg_tensor *memory; kv_cache self, cross; } whisper_writer;

static tg_tensor *whisper_next(void *user, tg_tensor *ids) {
    whisper_writer *w = (whisper_writer *)user;
    return tg_select(whisper_decode(w->m, ids, w->memory, &w->self, &w->cross), 1, -1);
}

/* start [N, T]: what the writing begins with, tokens of the language and the task -> [N, T + count] */
static inline tg_tensor *whisper_generate(tg_module *m, tg_tensor *features, tg_tensor *start, int64_t count, sampling s, int64_t end) {
    whisper *b = (whisper *)m;
    if (!m || !features || !start) return NULL;
    tg_mark scope = tg_begin(m->tg);
    bool was = tg_grad_mode(m->tg, false);
    tg_tensor *like = tg_module_tensor_at(b->encoder_norm, "weight"), *memory = whisper_encode(m, features);
    int64_t n = start->shape[0], d = b->c.width / b->c.decoder_heads;
    whisper_writer w = { m, memory, kv_new(like, b->c.decoder_layers, n, b->c.decoder_heads, start->shape[1] + count, d),
                         kv_new(like, b->c.decoder_layers, n, b->c.decoder_heads, memory ? memory->shape[1] : 0, d) };
    tg_grad_mode(m->tg, was);
    return tg_end_with(m->tg, scope, generate(start, count, s, end, whisper_next, &w));
}

#endif
