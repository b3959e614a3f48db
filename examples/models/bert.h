/* bert.h - BERT with a classifier, with Hugging Face's names (BertForSequenceClassification). */
#ifndef MODELS_BERT_H
#define MODELS_BERT_H

#include "activations.h"
#include "decode.h"

typedef struct bert_config {
    int64_t vocab, positions, types, width, layers, heads, inner, labels;      /* BERT base: 30522, 512, 2, 768, 12, 12, 3072 */
    activation act;                                                            /* tg_gelu */
    double eps, dropout;                                                       /* 1e-12, 0.1 */
} bert_config;

/* ---- a layer: attention and feed-forward, each added to what it saw and then normalised ---- */

typedef struct bert_layer {
    tg_module m;
    tg_module *query, *key, *value, *attention_dense, *attention_norm, *intermediate, *dense, *norm, *dropout;
    int64_t heads;
    activation act;
} bert_layer;

/* x [N, T, width] -> same; mask: bool [N, 1, 1, T] or NULL */
static tg_tensor *bert_layer_run(tg_module *m, tg_tensor *x, tg_tensor *mask) {
    bert_layer *b = (bert_layer *)m;
    size_t path = tg_module_enter(m);
    tg_tensor *q = split_heads(tg_forward(b->query, x), b->heads);             /* [N, heads, T, D] */
    tg_tensor *k = split_heads(tg_forward(b->key, x), b->heads);
    tg_tensor *v = split_heads(tg_forward(b->value, x), b->heads);
    tg_tensor *y = join_heads(tg_scaled_dot_product_attention(q, k, v, .attn_mask = mask));
    x = tg_forward(b->attention_norm, tg_add(x, tg_forward(b->dropout, tg_forward(b->attention_dense, y))));
    y = b->act(tg_forward(b->intermediate, x));                                /* [N, T, inner] */
    x = tg_forward(b->norm, tg_add(x, tg_forward(b->dropout, tg_forward(b->dense, y))));
    return tg_module_leave(m, path, x);
}

static tg_module *bert_layer_new(tg_ctx *tg, const bert_config *c) {
    bert_layer *b = TG_MODULE(tg, bert_layer, NULL);
    if (!b) return NULL;
    b->heads = c->heads;
    b->act = c->act;
    TG_PART_AS(b, query, "attention.self.query", tg_nn_linear(tg, c->width, c->width));
    TG_PART_AS(b, key, "attention.self.key", tg_nn_linear(tg, c->width, c->width));
    TG_PART_AS(b, value, "attention.self.value", tg_nn_linear(tg, c->width, c->width));
    TG_PART_AS(b, attention_dense, "attention.output.dense", tg_nn_linear(tg, c->width, c->width));
    TG_PART_AS(b, attention_norm, "attention.output.LayerNorm", tg_nn_layer_norm(tg, c->width, .eps = TG_IS(c->eps)));
    TG_PART_AS(b, intermediate, "intermediate.dense", tg_nn_linear(tg, c->width, c->inner));
    TG_PART_AS(b, dense, "output.dense", tg_nn_linear(tg, c->inner, c->width));
    TG_PART_AS(b, norm, "output.LayerNorm", tg_nn_layer_norm(tg, c->width, .eps = TG_IS(c->eps)));
    TG_PART(b, dropout, tg_nn_dropout(tg, c->dropout));
    return TG_MODULE_OF(b);
}

/* ---- the model ---- */

typedef struct bert {
    tg_module m;
    tg_module *words, *positions, *types, *norm, *layers, *pooler, *classifier, *dropout;
    bert_config c;
} bert;

/* ids [N, T]; mask [N, T], 0 for padding, and types [N, T], which sentence a token is of, may be NULL -> logits [N, labels].
   *hidden, the last layer's result [N, T, width], and *pooled [N, width] may be NULL. */
static tg_tensor *bert_logits(tg_module *m, tg_tensor *ids, tg_tensor *mask, tg_tensor *types, tg_tensor **hidden, tg_tensor **pooled) {
    bert *b = (bert *)m;
    if (!m || !ids) return NULL;
    tg_tensor *positions = tg_to_device(tg_arange(m->tg, 0, (double)ids->shape[1], 1, TG_I64), ids->device),
        *padding = padding_mask(mask), *x, *y;
    x = tg_add(tg_forward(b->words, ids), tg_forward(b->types, types ? types : tg_zeros_like(ids)));
    x = tg_forward(b->dropout, tg_forward(b->norm, tg_add(x, tg_forward(b->positions, positions))));
    for (int64_t i = 0; i < b->c.layers; i++) x = bert_layer_run(tg_module_part_of(b->layers, i), x, padding);
    y = tg_tanh(tg_forward(b->pooler, tg_select(x, 1, 0)));                    /* of the first token alone */
    if (hidden) *hidden = x;
    if (pooled) *pooled = y;
    return tg_forward(b->classifier, tg_forward(b->dropout, y));
}

static tg_module *bert_new(tg_ctx *tg, const bert_config *c) {
    bert *b = TG_MODULE(tg, bert, NULL);
    tg_module *layers = tg_nn_list(tg);
    if (!b) return NULL;
    b->c = *c;
    for (int64_t i = 0; i < c->layers; i++) tg_nn_append(layers, bert_layer_new(tg, c));
    TG_PART_AS(b, words, "bert.embeddings.word_embeddings", tg_nn_embedding(tg, c->vocab, c->width));
    TG_PART_AS(b, positions, "bert.embeddings.position_embeddings", tg_nn_embedding(tg, c->positions, c->width));
    TG_PART_AS(b, types, "bert.embeddings.token_type_embeddings", tg_nn_embedding(tg, c->types, c->width));
    TG_PART_AS(b, norm, "bert.embeddings.LayerNorm", tg_nn_layer_norm(tg, c->width, .eps = TG_IS(c->eps)));
    TG_PART_AS(b, layers, "bert.encoder.layer", layers);
    TG_PART_AS(b, pooler, "bert.pooler.dense", tg_nn_linear(tg, c->width, c->width));
    TG_PART(b, classifier, tg_nn_linear(tg, c->width, c->labels));
    TG_PART(b, dropout, tg_nn_dropout(tg, c->dropout));
    draw_weights(&b->m, 0.02);
    return TG_MODULE_OF(b);
}

#endif
