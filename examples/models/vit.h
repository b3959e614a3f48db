/* vit.h - a vision transformer with a classifier, with Hugging Face's names (ViTForImageClassification). */
#ifndef MODELS_VIT_H
#define MODELS_VIT_H

#include "activations.h"
#include "decode.h"

typedef struct vit_config {
    int64_t image[2], patch[2], channels;              /* height and width: {224, 224}, {16, 16}, 3 */
    int64_t width, layers, heads, inner, labels;       /* ViT base: 768, 12, 12, 3072, 1000 */
    activation act;                                    /* tg_gelu */
    double eps, dropout;                               /* 1e-12, 0 */
    bool no_qkv_bias;
} vit_config;

/* ---- a layer: normalised first, then attention and feed-forward, each added to x ---- */

typedef struct vit_layer {
    tg_module m;
    tg_module *query, *key, *value, *attention_dense, *intermediate, *dense, *before, *after, *dropout;
    int64_t heads;
    activation act;
} vit_layer;

/* x [N, T, width] -> same */
static tg_tensor *vit_layer_forward(tg_module *m, tg_tensor *x) {
    vit_layer *b = (vit_layer *)m;
    tg_tensor *y = tg_forward(b->before, x);
    tg_tensor *q = split_heads(tg_forward(b->query, y), b->heads);             /* [N, heads, T, D] */
    tg_tensor *k = split_heads(tg_forward(b->key, y), b->heads);
    tg_tensor *v = split_heads(tg_forward(b->value, y), b->heads);
    y = tg_forward(b->attention_dense, join_heads(tg_scaled_dot_product_attention(q, k, v)));
    x = tg_add(x, tg_forward(b->dropout, y));
    y = b->act(tg_forward(b->intermediate, tg_forward(b->after, x)));          /* [N, T, inner] */
    return tg_add(x, tg_forward(b->dropout, tg_forward(b->dense, y)));
}

static tg_module *vit_layer_new(tg_ctx *tg, const vit_config *c) {
    vit_layer *b = TG_MODULE(tg, vit_layer, vit_layer_forward);
    if (!b) return NULL;
    b->heads = c->heads;
    b->act = c->act;
    TG_PART_AS(b, query, "attention.attention.query", tg_nn_linear(tg, c->width, c->width, .no_bias = c->no_qkv_bias));
    TG_PART_AS(b, key, "attention.attention.key", tg_nn_linear(tg, c->width, c->width, .no_bias = c->no_qkv_bias));
    TG_PART_AS(b, value, "attention.attention.value", tg_nn_linear(tg, c->width, c->width, .no_bias = c->no_qkv_bias));
    TG_PART_AS(b, attention_dense, "attention.output.dense", tg_nn_linear(tg, c->width, c->width));
    TG_PART_AS(b, intermediate, "intermediate.dense", tg_nn_linear(tg, c->width, c->inner));
    TG_PART_AS(b, dense, "output.dense", tg_nn_linear(tg, c->inner, c->width));
    TG_PART_AS(b, before, "layernorm_before", tg_nn_layer_norm(tg, c->width, .eps = TG_IS(c->eps)));
    TG_PART_AS(b, after, "layernorm_after", tg_nn_layer_norm(tg, c->width, .eps = TG_IS(c->eps)));
    TG_PART(b, dropout, tg_nn_dropout(tg, c->dropout));
    return TG_MODULE_OF(b);
}

/* ---- the model ---- */

typedef struct vit {
    tg_module m;
    tg_tensor *cls_token, *positions;                  /* [1, 1, width], [1, 1 + patches, width] */
    tg_module *patches, *layers, *norm, *classifier, *dropout;
    vit_config c;
} vit;

/* x [N, channels, H, W] -> logits [N, labels] */
static tg_tensor *vit_forward(tg_module *m, tg_tensor *x) {
    vit *b = (vit *)m;
    int64_t n = x->shape[0];
    x = tg_transpose(tg_flatten(tg_forward(b->patches, x), 2, -1), 1, 2);                      /* [N, patches, width] */
    tg_tensor *both[] = { tg_expand(b->cls_token, TG_SHAPE(n, -1, -1)), x };
    x = tg_forward(b->dropout, tg_add(tg_cat(both, 2, 1), b->positions));                      /* [N, 1 + patches, width] */
    for (int64_t i = 0; i < b->c.layers; i++) x = tg_forward(tg_module_part_of(b->layers, i), x);
    return tg_forward(b->classifier, tg_select(tg_forward(b->norm, x), 1, 0));                 /* of the cls token alone */
}

static tg_module *vit_new(tg_ctx *tg, const vit_config *c) {
    int64_t patches = (c->image[0] / c->patch[0]) * (c->image[1] / c->patch[1]);
    vit *b = TG_MODULE(tg, vit, vit_forward);
    tg_module *layers = tg_nn_list(tg);
    if (!b) return NULL;
    b->c = *c;
    for (int64_t i = 0; i < c->layers; i++) tg_nn_append(layers, vit_layer_new(tg, c));
    TG_PARAM_AS(b, cls_token, "vit.embeddings.cls_token", tg_normal_(tg_zeros(tg, TG_SHAPE(1, 1, c->width)), 0, 0.02));
    TG_PARAM_AS(b, positions, "vit.embeddings.position_embeddings", tg_normal_(tg_zeros(tg, TG_SHAPE(1, 1 + patches, c->width)), 0, 0.02));
    TG_PART_AS(b, patches, "vit.embeddings.patch_embeddings.projection", tg_nn_conv2d(tg, c->channels, c->width, 0,
        .kernel_size = {c->patch[0], c->patch[1]}, .stride = {c->patch[0], c->patch[1]}));
    TG_PART_AS(b, layers, "vit.encoder.layer", layers);
    TG_PART_AS(b, norm, "vit.layernorm", tg_nn_layer_norm(tg, c->width, .eps = TG_IS(c->eps)));
    TG_PART(b, classifier, tg_nn_linear(tg, c->width, c->labels));
    TG_PART(b, dropout, tg_nn_dropout(tg, c->dropout));
    draw_weights(&b->m, 0.02);
    return TG_MODULE_OF(b);
}

#endif
