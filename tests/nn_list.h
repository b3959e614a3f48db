/* Every layer of >>nn, made small, with the operands of a call; tests/test_oplist.sh looks that none is missing. For tests that go through all of them. Public names only.

       for (i = 0; nn_case(tg, i, &c); i++) {           c.m is the module, or NULL after an error
           int n = nn_operands(tg, &c, x);
           int k = nn_call(&c, c.m, x, n, y);           y[0..k-1], the first of them the result

   Operands are set off by |. x: normal numbers, u: between 0 and 1, both with a gradient; n and p: the same without one; s: 1 and -1; i5: whole numbers below 5; then
   the shape. o: these whole numbers. t4: bool [4, 4], true above the diagonal; -: absent. What stands before a colon is the call: rnn, attend, transformer. */
#ifndef NN_LIST_H
#define NN_LIST_H
#include <stdlib.h>
#include <string.h>

enum { NN_OPERANDS = 4, NN_RESULTS = 3 };
typedef struct nn_case_t { tg_module *m; const char *operands, *made; } nn_case_t;

static tg_module *nn_normed(tg_module *m, bool spectral) {
    if (m && !(spectral ? tg_spectral_norm(m, "weight") : tg_weight_norm(m, "weight"))) { tg_module_free(m); return NULL; }
    return m;
}
static tg_module *nn_dict(tg_ctx *tg, tg_module *last) {
    tg_module *m = tg_nn_sequential(tg, tg_nn_linear(tg, 5, 4));
    tg_nn_append(m, tg_nn_relu(tg));
    tg_nn_named(m, "last", last);
    return tg_module_done(m);
}
/* Row i; false behind the last. */
static bool nn_case(tg_ctx *tg, int i, nn_case_t *c) {
    int row = 0;
    c->m = NULL;
#define M(operands_, ...) if (row++ == i) { c->operands = operands_; c->made = #__VA_ARGS__; c->m = __VA_ARGS__; return true; }
    M("x 3 5", tg_nn_linear(tg, 5, 4))
    M("x 2 3 5", tg_nn_linear(tg, 5, 4, .no_bias = true))
    M("x 3 5", nn_normed(tg_nn_linear(tg, 5, 4), true))
    M("x 3 5", nn_normed(tg_nn_linear(tg, 5, 4), false))
    M("x 3 5|x 3 4", tg_nn_bilinear(tg, 5, 4, 3))
    M("x 3 5|x 3 5", tg_nn_pairwise_distance(tg, 2, 1e-6, true))
    M("x 3 5|x 3 5", tg_nn_cosine_similarity(tg, 1, 1e-8))
    M("x 3 5", tg_nn_identity(tg))
    M("x 2 3 5", tg_nn_flatten(tg))
    M("x 2 6 5", tg_nn_unflatten(tg, 1, TG_SHAPE(2, 3)))
    M("x 2 4 9", tg_nn_conv1d(tg, 4, 6, 3, .groups = 2, .padding = {1}, .padding_mode = TG_NN_REFLECT))
    M("x 2 3 7 8", tg_nn_conv2d(tg, 3, 4, 3, .padding = {1, 1}, .stride = {2, 1}))
    M("x 2 3 7 8", tg_nn_conv2d(tg, 3, 4, 3, .no_bias = true, .padding_mode = TG_NN_CIRCULAR, .same = true))
    M("x 2 2 4 5 5", tg_nn_conv3d(tg, 2, 3, 2, .dilation = {1, 2, 1}))
    M("x 2 3 5", tg_nn_conv_transpose1d(tg, 3, 4, 3, .stride = {2}))
    M("x 2 3 4 5", tg_nn_conv_transpose2d(tg, 3, 4, 3, .output_padding = {1, 0}, .padding = {1, 1}, .stride = {2, 2}))
    M("x 1 2 3 3 3", tg_nn_conv_transpose3d(tg, 2, 3, 2))
    M("x 1 3 5", nn_normed(tg_nn_conv_transpose1d(tg, 3, 4, 2), true))
    M("x 2 3 9", tg_nn_max_pool1d(tg, 3, .padding = {1}))
    M("x 2 3 8 8", tg_nn_max_pool2d(tg, 2))
    M("x 1 2 6 6 6", tg_nn_max_pool3d(tg, 2, .stride = {1, 2, 2}))
    M("x 2 3 9", tg_nn_avg_pool1d(tg, 3, .ceil_mode = true))
    M("x 2 3 8 8", tg_nn_avg_pool2d(tg, 3, .padding = {1, 1}, .stride = {2, 2}))
    M("x 1 2 6 6 6", tg_nn_avg_pool3d(tg, 2))
    M("u 2 3 9", tg_nn_lp_pool1d(tg, 3))
    M("u 2 3 8 8", tg_nn_lp_pool2d(tg, 2, .p = 3))
    M("u 1 2 4 4 4", tg_nn_lp_pool3d(tg, 2))
    M("x 1 1 3|o 0 3 5 / 1 1 3", tg_nn_max_unpool1d(tg, 2))
    M("x 1 1 2 2|o 0 3 9 14 / 1 1 2 2", tg_nn_max_unpool2d(tg, 2))
    M("x 1 1 1 1 2|o 1 6 / 1 1 1 1 2", tg_nn_max_unpool3d(tg, 2))
    M("x 2 3 8 8", tg_nn_fractional_max_pool2d(tg, 2, .output_ratio = {0.5, 0.5}))
    M("x 1 2 6 6 6", tg_nn_fractional_max_pool3d(tg, 2, .output_size = {3, 3, 3}))
    M("x 2 3 9", tg_nn_adaptive_avg_pool1d(tg, TG_DIMS(4)))
    M("x 2 3 8 7", tg_nn_adaptive_avg_pool2d(tg, TG_DIMS(3, 2)))
    M("x 1 2 4 5 6", tg_nn_adaptive_avg_pool3d(tg, TG_DIMS(2, 2, 3)))
    M("x 2 3 9", tg_nn_adaptive_max_pool1d(tg, TG_DIMS(4)))
    M("x 2 3 8 7", tg_nn_adaptive_max_pool2d(tg, TG_DIMS(3, 2)))
    M("x 1 2 4 5 6", tg_nn_adaptive_max_pool3d(tg, TG_DIMS(2, 2, 3)))
    M("x 4 3", tg_nn_batch_norm1d(tg, 3))
    M("x 4 3 5 5", tg_nn_batch_norm2d(tg, 3, .cumulative = true))
    M("x 2 3 2 3 4", tg_nn_batch_norm3d(tg, 3, .no_affine = true))
    M("x 2 3 7", tg_nn_instance_norm1d(tg, 3))
    M("x 2 3 4 5", tg_nn_instance_norm2d(tg, 3, .affine = true, .running = true))
    M("x 2 3 2 3 4", tg_nn_instance_norm3d(tg, 3, .affine = true))
    M("x 4 6", tg_nn_layer_norm(tg, 6))
    M("x 4 6", tg_nn_rms_norm(tg, 6))
    M("x 2 6 5", tg_nn_group_norm(tg, 2, 6))
    M("x 2 6 4 4", tg_nn_local_response_norm(tg, 3, 1e-2, 0.75, 1))
    M("x 2 6 4 4", tg_nn_cross_map_lrn2d(tg, 3, 1e-2, 0.75, 1))
    M("x 4 6", tg_nn_dropout(tg, 0.4))
    M("x 4 6 3", tg_nn_dropout1d(tg, 0.4))
    M("x 4 6 3 3", tg_nn_dropout2d(tg, 0.4))
    M("x 2 6 3 3 2", tg_nn_dropout3d(tg, 0.4))
    M("x 4 6", tg_nn_alpha_dropout(tg, 0.4))
    M("x 4 6 3", tg_nn_feature_alpha_dropout(tg, 0.4))
    M("x 4 6", tg_nn_relu(tg))
    M("x 4 6", tg_nn_relu6(tg))
    M("x 4 6", tg_nn_gelu(tg))
    M("x 4 6", tg_nn_gelu_tanh(tg))
    M("x 4 6", tg_nn_silu(tg))
    M("x 4 6", tg_nn_mish(tg))
    M("x 4 6", tg_nn_selu(tg))
    M("x 4 6", tg_nn_sigmoid(tg))
    M("x 4 6", tg_nn_logsigmoid(tg))
    M("x 4 6", tg_nn_tanh(tg))
    M("x 4 6", tg_nn_tanhshrink(tg))
    M("x 4 6", tg_nn_softsign(tg))
    M("x 4 6", tg_nn_hardsigmoid(tg))
    M("x 4 6", tg_nn_hardswish(tg))
    M("x 4 6", tg_nn_leaky_relu(tg, 0.01))
    M("x 4 6", tg_nn_elu(tg, 1))
    M("x 4 6", tg_nn_celu(tg, 1.5))
    M("x 4 6", tg_nn_hardshrink(tg, 0.5))
    M("x 4 6", tg_nn_softshrink(tg, 0.5))
    M("x 4 6", tg_nn_softplus(tg, 1, 20))
    M("x 4 6", tg_nn_threshold(tg, 0.1, 3))
    M("x 4 6", tg_nn_hardtanh(tg, -1, 1))
    M("x 4 6", tg_nn_rrelu(tg, 0.125, 1.0 / 3))
    M("x 4 6", tg_nn_softmax(tg, 1))
    M("x 4 6", tg_nn_log_softmax(tg, 0))
    M("x 4 6", tg_nn_softmin(tg, -1))
    M("x 2 4 3 3", tg_nn_softmax2d(tg))
    M("x 4 6", tg_nn_glu(tg, -1))
    M("x 4 6", tg_nn_prelu(tg, 6))
    M("i7 2 4", tg_nn_embedding(tg, 7, 3, .padding_idx = TG_IS(2)))
    M("i7 2 4", tg_nn_embedding(tg, 7, 3, .scale_grad_by_freq = true))
    M("i7 2 4", tg_nn_embedding_bag(tg, 7, 3))
    M("i7 6|o 0 2 5|u 6", tg_nn_embedding_bag(tg, 7, 3, .mode = TG_BAG_SUM))
    M("i7 6|o 0 2 5", tg_nn_embedding_bag(tg, 7, 3, .mode = TG_BAG_MAX))
    M("rnn:x 3 2 4|x 1 2 5", tg_nn_rnn(tg, 4, 5, .nonlinearity = TG_NN_RELU))
    M("rnn:x 2 3 4", tg_nn_lstm(tg, 4, 5, .batch_first = true, .bidirectional = true, .dropout = 0.3, .layers = 2))
    M("rnn:x 3 2 4|x 1 2 3|x 1 2 5", tg_nn_lstm(tg, 4, 5, .proj_size = 3))
    M("rnn:x 3 2 4", tg_nn_gru(tg, 4, 5, .layers = 2))
    M("rnn:x 2 4|x 2 5", tg_nn_rnn_cell(tg, 4, 5))
    M("rnn:x 2 4|x 2 5|x 2 5", tg_nn_lstm_cell(tg, 4, 5))
    M("rnn:x 2 4", tg_nn_gru_cell(tg, 4, 5))
    M("attend:x 4 2 6|x 5 2 6|x 5 2 6", tg_nn_multihead_attention(tg, 6, 2, .add_bias_kv = true, .add_zero_attn = true))
    M("attend:x 4 2 6|x 4 2 3|x 4 2 5|t4", tg_nn_multihead_attention(tg, 6, 3, .dropout = 0.2, .kdim = 3, .vdim = 5))
    M("x 4 2 6", tg_nn_multihead_attention(tg, 6, 2))
    M("transformer:x 4 2 6|-|t4", tg_nn_transformer_encoder_layer(tg, 6, 2, .dim_feedforward = 5))
    M("transformer:x 3 2 6|x 4 2 6|t4", tg_nn_transformer_decoder_layer(tg, 6, 2, .dim_feedforward = 5, .gelu = true, .norm_first = true))
    M("transformer:x 4 2 6", tg_nn_transformer_encoder(tg, 6, 2, .dim_feedforward = 5, .final_norm = true, .layers = 2))
    M("transformer:x 3 2 6|x 4 2 6", tg_nn_transformer_decoder(tg, 6, 2, .dim_feedforward = 5, .layers = 1))
    M("transformer:x 2 3 6|x 2 4 6|t4", tg_nn_transformer(tg, 6, 2, .batch_first = true, .decoder_layers = 1, .dim_feedforward = 5, .layers = 1))
    M("x 3 4|n 3 4", tg_nn_l1_loss(tg))
    M("x 3 4|n 3 4", tg_nn_mse_loss(tg, .reduction = TG_LOSS_SUM))
    M("x 3 4|n 3 4", tg_nn_smooth_l1_loss(tg, .beta = TG_IS(0.5)))
    M("x 3 4|n 3 4", tg_nn_huber_loss(tg))
    M("x 3 4|i4 3", tg_nn_nll_loss(tg, .ignore_index = TG_IS(1), .weight = tg_rand(tg, TG_SHAPE(4))))
    M("x 3 4|i4 3", tg_nn_cross_entropy_loss(tg, .label_smoothing = 0.1, .weight = tg_rand(tg, TG_SHAPE(4))))
    M("u 3 4|p 3 4", tg_nn_bce_loss(tg))
    M("x 3 4|p 3 4", tg_nn_bce_with_logits_loss(tg, .pos_weight = tg_rand(tg, TG_SHAPE(4))))
    M("x 3 4|p 3 4", tg_nn_kl_div_loss(tg))
    M("x 3 4|s 3 4", tg_nn_soft_margin_loss(tg))
    M("x 3 4|s 3 4", tg_nn_hinge_embedding_loss(tg))
    M("x 3 4|i4 3 4", tg_nn_multilabel_margin_loss(tg))
    M("x 3 4|p 3 4", tg_nn_multilabel_soft_margin_loss(tg))
    M("x 3 4|i4 3", tg_nn_multi_margin_loss(tg, .p = TG_IS(2)))
    M("x 3 4|p 3 4", tg_nn_poisson_nll_loss(tg, .full = true))
    M("x 3 4|n 3 4|u 3 4", tg_nn_gaussian_nll_loss(tg))
    M("x 5|x 5|s 5", tg_nn_margin_ranking_loss(tg, .margin = TG_IS(0.3)))
    M("x 3 4|x 3 4|s 3", tg_nn_cosine_embedding_loss(tg))
    M("x 3 4|x 3 4|x 3 4", tg_nn_triplet_margin_loss(tg, .swap = true))
    M("x 6 2 5|i4 2 2|o 6 5|o 2 1", tg_nn_ctc_loss(tg, .blank = 4))
    M("x 6 8|o 0 5 2 8 6 1", tg_nn_adaptive_log_softmax_with_loss(tg, 8, 9, TG_DIMS(2, 5), 2, true))
    M("x 6 8", tg_nn_adaptive_log_softmax_with_loss(tg, 8, 9, TG_DIMS(2, 5), 2, false))
    M("x 2 3 4 4", tg_nn_upsample(tg, 2, TG_INTERPOLATE_BILINEAR, true))
    M("x 2 8 3 3", tg_nn_pixel_shuffle(tg, 2))
    M("x 2 2 4 6", tg_nn_pixel_unshuffle(tg, 2))
    M("x 2 6 3", tg_nn_channel_shuffle(tg, 3))
    M("x 2 3 4 4", tg_nn_pad(tg, TG_DIMS(1, 2, 0, 1), TG_PAD_REFLECT, 0))
    M("x 2 3 4 4", tg_nn_pad(tg, TG_DIMS(1, 2), TG_PAD_CONSTANT, 3))
    M("x 2 12 9", tg_nn_fold_layer(tg, 2, .size = {4, 4}))
    M("x 2 3 5 5", tg_nn_unfold_layer(tg, 3, .padding = {1, 1}))
    M("x 3 5", nn_dict(tg, tg_nn_linear(tg, 4, 2)))
#undef M
    return false;
}

/* One operand from *text, which is moved behind it. */
static tg_tensor *nn_operand(tg_ctx *tg, const char **text) {
    const char *p = *text, *end = p + strcspn(p, "|");
    const char kind = *p++;
    int64_t shape[TG_MAX_DIMS], values[16], below = 1;
    int n = 0, k = 0;
    char *next;
    bool listed = kind == 'o';
    tg_tensor *t = NULL;
    if (kind == 'i' || kind == 't') { below = strtol(p, &next, 10); p = next; }
    while (p < end) {
        if (*p == '/') { listed = false; p++; }
        if (*p == ' ') { p++; continue; }
        if (listed) values[n++] = strtol(p, &next, 10); else shape[k++] = strtol(p, &next, 10);
        p = next;
    }
    *text = *end ? end + 1 : end;
    switch (kind) {
    case 'x': return tg_require_grad(tg_randn(tg, k, shape), true);
    case 'n': return tg_randn(tg, k, shape);
    case 'u': case 'p': t = tg_uniform_(tg_empty(tg, k, shape, TG_F32), 0.05, 0.95); return kind == 'u' ? tg_require_grad(t, true) : t;
    case 's': return tg_sub_scalar(tg_mul_scalar(tg_to(tg_randint(tg, 0, 2, k, shape), TG_F32), 2), 1);
    case 'i': return tg_randint(tg, 0, below, k, shape);
    case 'o': t = tg_from(tg, TG_SHAPE(n), TG_I64, values); return k ? tg_reshape(t, k, shape) : t;
    case 't': return tg_triu(tg_full(tg, TG_SHAPE(below, below), 1, TG_BOOL), 1);
    default:  return NULL;
    }
}
static int nn_operands(tg_ctx *tg, const nn_case_t *c, tg_tensor **x) {
    const char *colon = strchr(c->operands, ':'), *at = colon ? colon + 1 : c->operands;
    int n = 0;
    while (*at && n < NN_OPERANDS) x[n++] = nn_operand(tg, &at);
    return n;
}
static int nn_call(const nn_case_t *c, tg_module *m, tg_tensor *const *x, int n, tg_tensor **y) {
    tg_tensor *const x1 = n > 1 ? x[1] : NULL, *const x2 = n > 2 ? x[2] : NULL, *const x3 = n > 3 ? x[3] : NULL;
    y[1] = y[2] = NULL;
    if (strncmp(c->operands, "rnn:", 4) == 0) {
        const bool lstm = strstr(c->made, "lstm") != NULL, cell = strstr(c->made, "_cell") != NULL;
        y[0] = tg_forward_rnn(m, x[0], .c0 = x2, .c_n = lstm ? &y[cell ? 1 : 2] : NULL, .h0 = x1, .h_n = cell ? NULL : &y[1]);
    } else if (strncmp(c->operands, "attend:", 7) == 0) y[0] = tg_forward_attention(m, x[0], x1, x2, .attn_mask = x3, .weights = &y[1]);
    else if (strncmp(c->operands, "transformer:", 12) == 0) {
        y[0] = x1 ? tg_forward_transformer(m, x[0], x1, .tgt_mask = x2) : tg_forward_transformer(m, x[0], NULL, .src_mask = x2);
    } else y[0] = tg_forward_of(m, x, n);
    return y[2] ? 3 : y[1] ? 2 : 1;
}

#endif
