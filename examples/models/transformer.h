/* transformer.h - from one sequence to another: torch.nn.Transformer between two embeddings and a layer of logits. */
#ifndef MODELS_TRANSFORMER_H
#define MODELS_TRANSFORMER_H

typedef struct transformer_config {
    int64_t src_vocab, tgt_vocab, width, heads, encoder_layers, decoder_layers, inner;     /* the paper: 512, 8, 6, 6, 2048 */
    bool gelu, norm_first, no_bias;
    double dropout, eps;                                                                   /* 0.1, 1e-5 */
} transformer_config;

typedef struct transformer { tg_module m; tg_module *src, *tgt, *transformer, *out; } transformer;

/* bool [T, T]: true above the diagonal, what a position must not see */
static tg_tensor *transformer_triangle(tg_ctx *tg, int64_t t) {
    return tg_triu(tg_full(tg, TG_SHAPE(t, t), 1, TG_BOOL), 1);
}

/* src [N, S], tgt [N, T] -> logits [N, T, vocab]. src_padding [N, S], tgt_padding [N, T]: bool, true for what does not count; or NULL. */
static tg_tensor *transformer_logits(tg_module *m, tg_tensor *src, tg_tensor *tgt, tg_tensor *src_padding, tg_tensor *tgt_padding) {
    transformer *b = (transformer *)m;
    if (!m || !tgt) return NULL;
    /* [N, T, width] */
    tg_tensor *y = tg_forward_transformer(b->transformer, tg_forward(b->src, src), tg_forward(b->tgt, tgt),
        .memory_key_padding_mask = src_padding, .src_key_padding_mask = src_padding,
        .tgt_key_padding_mask = tgt_padding,
        .tgt_mask = tg_to_device(transformer_triangle(m->tg, tgt->shape[1]), tgt->device));
    return tg_forward(b->out, y);
}

static tg_module *transformer_new(tg_ctx *tg, const transformer_config *c) {
    transformer *b = TG_MODULE(tg, transformer, NULL);
    TG_PART(b, src, tg_nn_embedding(tg, c->src_vocab, c->width));
    TG_PART(b, tgt, tg_nn_embedding(tg, c->tgt_vocab, c->width));
    TG_PART(b, transformer, tg_nn_transformer(tg, c->width, c->heads, .batch_first = true, .decoder_layers = c->decoder_layers,
        .dim_feedforward = c->inner, .dropout = TG_IS(c->dropout), .gelu = c->gelu, .layer_norm_eps = TG_IS(c->eps),
        .layers = c->encoder_layers, .no_bias = c->no_bias, .norm_first = c->norm_first));
    TG_PART(b, out, tg_nn_linear(tg, c->width, c->tgt_vocab));
    return TG_MODULE_OF(b);
}

#endif
