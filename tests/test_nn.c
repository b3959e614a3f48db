/* Tests of >>impl-nn: modules of one's own, names, paths in messages, files, types, copies, and what is left when something fails.
   cc -O1 tests/test_nn.c -o test_nn -pthread && ./test_nn */
#include "test.h"
#include <math.h>

typedef struct block { tg_module m; tg_module *conv, *norm; } block;
static tg_tensor *block_forward(tg_module *m, tg_tensor *x) {
    block *b = (block *)(void *)m;
    return tg_relu(tg_add(x, tg_forward(b->norm, tg_forward(b->conv, x))));
}
static tg_module *block_new(tg_ctx *tg, int64_t c) {
    block *b = TG_MODULE(tg, block, block_forward);
    TG_PART(b, conv, tg_nn_conv2d(tg, c, c, 3, .padding = {1, 1}));
    TG_PART(b, norm, tg_nn_batch_norm2d(tg, c));
    return TG_MODULE_OF(b);
}
typedef struct net { tg_module m; tg_module *stem, *layers[2], *head; tg_tensor *scale, *seen; } net;
static tg_tensor *net_forward(tg_module *m, tg_tensor *x) {
    net *n = (net *)(void *)m;
    int i;
    x = tg_forward(n->stem, x);
    for (i = 0; i < 2; i++) x = tg_forward(n->layers[i], x);
    return tg_forward(n->head, tg_mul(tg_mean_dims(x, TG_DIMS(2, 3), false), n->scale));
}
static tg_module *net_new(tg_ctx *tg) {
    net *n = TG_MODULE(tg, net, net_forward);
    int i;
    TG_PART(n, stem, tg_nn_sequential(tg, tg_nn_conv2d(tg, 3, 4, 3, .no_bias = true), tg_nn_relu(tg), tg_nn_max_pool2d(tg, 2)));
    for (i = 0; i < 2; i++) TG_PART_AT(n, layers, i, block_new(tg, 4));
    TG_PART(n, head, tg_nn_linear(tg, 4, 10));
    TG_PARAM(n, scale, tg_ones(tg, TG_SHAPE(4)));
    TG_BUFFER(n, seen, tg_zeros(tg, TG_SCALAR));
    return TG_MODULE_OF(n);
}

static void test_names(tg_ctx *tg) {
    static const char *const names[] = { "stem.0.weight", "layers.0.conv.weight", "layers.0.conv.bias", "layers.0.norm.weight", "layers.0.norm.bias", "layers.0.norm.running_mean",
        "layers.0.norm.running_var", "layers.0.norm.num_batches_tracked", "layers.1.conv.weight", "layers.1.conv.bias", "layers.1.norm.weight", "layers.1.norm.bias",
        "layers.1.norm.running_mean", "layers.1.norm.running_var", "layers.1.norm.num_batches_tracked", "head.weight", "head.bias", "scale", "seen" };
    tg_module *m = net_new(tg);
    tg_dict *d = tg_state_dict(m);
    tg_tensor *list[20], *x, *y;
    net *n = (net *)(void *)m;
    int64_t i;
    char text[4096];
    CHECK_OK(tg);
    if (!m || !d) return;
    CHECK_INT(tg_dict_count(d), 19);
    for (i = 0; i < tg_dict_count(d); i++) {
        CHECK_TEXT(tg_dict_name(d, i), names[i]);
        CHECK(tg_module_tensor_at(m, names[i]) == tg_dict_at(d, i) && tg_dict_at(d, i));
    }
    CHECK_INT(tg_parameters(m, list, 20), 12);
    CHECK(list[0] == tg_module_tensor_at(m, "stem.0.weight") && list[11] == n->scale && list[0]->requires_grad);
    CHECK_INT(tg_parameter_count(m), 4 * 27 + 2 * (4 * 36 + 4 + 4 + 4) + 50 + 4);
    CHECK(tg_module_at(m, "layers.1.norm") && strcmp(tg_module_at(m, "layers.1.norm")->kind, "BatchNorm2d") == 0);
    CHECK(tg_module_at(m, "layers.1") == n->layers[1] && tg_module_at(m, "layers.2") == NULL && tg_module_at(m, "") == m && tg_module_at(m, "scale") == NULL);
    CHECK(tg_module_tensor_at(m, "layers.1") == NULL && tg_module_tensor_at(m, "nothing") == NULL);
    CHECK_INT(tg_module_parts(m), 4);
    CHECK(tg_module_part_of(m, 3) == n->head && tg_module_part_of(m, 4) == NULL);
    CHECK(tg_module_format(m, text, sizeof text) < sizeof text);
    CHECK_MSG(strstr(text, "layers.0.conv  Conv2d  weight [4, 4, 3, 3]  bias [4]  148\n") != NULL, "%s", text);
    CHECK_MSG(strstr(text, " numbers in 12 parameters\n"), "%s", text);

    x = tg_randn(tg, TG_SHAPE(2, 3, 10, 12));
    y = tg_forward(m, x);
    CHECK(y && y->ndim == 2 && y->shape[1] == 10);
    CHECK(tg_backward(tg_sum(tg_square(y))));
    for (i = 0; i < 12; i++) CHECK_MSG(tg_has_grad(list[i]), "%s", names[i]);
    CHECK(tg_item(tg_module_tensor_at(m, "layers.0.norm.num_batches_tracked")) == 1 && tg_item(tg_sum(tg_abs(tg_module_tensor_at(m, "layers.0.norm.running_mean")))) > 0);
    tg_train(m, false);
    (void)tg_forward(m, x);
    CHECK(tg_item(tg_module_tensor_at(m, "layers.0.norm.num_batches_tracked")) == 1 && !n->layers[1]->training);
    CHECK(tg_module_zero_grad(m) && !tg_has_grad(list[3]));
    tg_freeze(m, true);
    CHECK(!list[0]->requires_grad && !tg_forward(m, x)->requires_grad);
    tg_freeze(m, false);
    CHECK(list[0]->requires_grad);
    /* the path stands in messages */
    CHECK(!tg_forward(m, tg_randn(tg, TG_SHAPE(2, 5, 10, 12))) && strstr(tg_error_text(tg), "stem.0: conv2d: ") == tg_error_text(tg));
    tg_clear(tg);
    CHECK(!tg_forward(n->layers[1], x) && strstr(tg_error_text(tg), "layers.1.conv: conv2d: ") == tg_error_text(tg));
    tg_clear(tg);
    CHECK(!tg_add(x, tg_ones(tg, TG_SHAPE(7))) && strstr(tg_error_text(tg), "add: ") == tg_error_text(tg));
    tg_clear(tg);
    tg_dict_free(d);
    tg_module_free(m);
}
/* All that a model took comes back, wherever it was made. */
static void test_freed(tg_ctx *tg) {
    tg_memory_info before, after;
    int round;
    for (round = 0; round < 3; round++) {
        tg_mark s = tg_begin(tg);
        tg_module *m = net_new(tg);
        tg_end(tg, s);
        tg_module_free(m);
    }
    before = tg_memory(tg);
    tg_module_free(net_new(tg));                                       /* in the root scope, which holds what is made in it */
    after = tg_memory(tg);
    CHECK_INT(after.live_tensors, before.live_tensors);
    CHECK_INT(after.tensors, before.tensors);
    tg_module_free(NULL);
}
static void test_shared(tg_ctx *tg) {
    typedef struct tied { tg_module m; tg_module *embed, *again; tg_tensor *head; } tied;
    tied *t = TG_MODULE(tg, tied, NULL);
    tg_module *m, *c;
    tg_tensor *list[4];
    tg_dict *d;
    tg_load_report report;
    TG_PART(t, embed, tg_nn_embedding(tg, 5, 3, .padding_idx = TG_IS(2)));
    TG_PART(t, again, t->embed);
    TG_PARAM(t, head, tg_module_tensor_at(t->embed, "weight"));
    m = TG_MODULE_OF(t);
    CHECK_OK(tg);
    CHECK_INT(tg_parameters(m, list, 4), 1);
    CHECK(list[0] == t->head && tg_item(tg_sum(tg_abs(tg_select(t->head, 0, 2)))) == 0);
    d = tg_state_dict(m);
    CHECK_INT(tg_dict_count(d), 3);
    tg_dict_free(d);
    d = tg_dict_new(tg);                                               /* files may have a tied tensor once */
    CHECK(tg_dict_set(d, "head", tg_ones(tg, TG_SHAPE(5, 3))) && tg_load_state_dict(m, d, NULL) && tg_item(tg_sum(t->head)) == 15);
    CHECK(tg_dict_set(d, "more", tg_ones(tg, TG_SHAPE(1))) && !tg_load_state_dict(m, d, NULL) && strstr(tg_error_text(tg), "unexpected: more"));
    tg_clear(tg);
    CHECK(tg_load_state_dict(m, d, &report) && report.loaded == 1 && report.unexpected == 1 && report.missing == 0);
    tg_dict_free(d);
    c = tg_module_copy(m);
    CHECK(c && ((tied *)(void *)c)->again == ((tied *)(void *)c)->embed && ((tied *)(void *)c)->head == tg_module_tensor_at(c, "embed.weight") && ((tied *)(void *)c)->head != t->head);
    CHECK(c && tg_item(tg_sum(((tied *)(void *)c)->head)) == 15 && ((tied *)(void *)c)->head->requires_grad);
    tg_module_free(c);
    CHECK(tg_module_to(m, TG_F64) && t->head->dtype == TG_F64 && tg_module_tensor_at(m, "again.weight") == t->head && t->head->requires_grad && tg_item(tg_sum(t->head)) == 15);
    CHECK(!tg_module_to(m, TG_I64));
    CHECK_ERROR(tg, TG_ERROR_DTYPE);
    tg_module_free(t->embed);
    CHECK_MSG(strstr(tg_error_text(tg), "module_free: embed is a part of tied, with which it goes") == tg_error_text(tg), "%s", tg_error_text(tg));
    tg_clear(tg);
    CHECK(!tg_forward(m, list[0]) && strstr(tg_error_text(tg), "tied has no forward"));
    tg_clear(tg);
    tg_module_free(m);
}
static void test_files(tg_ctx *tg) {
    tg_module *a = net_new(tg), *b = net_new(tg), *c;
    tg_tensor *x = tg_randn(tg, TG_SHAPE(2, 3, 8, 8));
    tg_load_report report;
    tg_dict *d;
    tg_train(a, false); tg_train(b, false);
    CHECK(tg_item(tg_sum(tg_abs(tg_sub(tg_forward(a, x), tg_forward(b, x))))) > 0);
    d = tg_state_dict(a);
    CHECK(tg_load_state_dict(b, d, NULL));
    CHECK(tg_item(tg_sum(tg_abs(tg_sub(tg_forward(a, x), tg_forward(b, x))))) == 0);
    c = tg_module_copy(a);
    CHECK(c && !c->training && tg_item(tg_sum(tg_abs(tg_sub(tg_forward(a, x), tg_forward(c, x))))) == 0);
    tg_module_free(c);
    /* what does not fit changes nothing */
    CHECK(tg_dict_set(d, "head.bias", tg_ones(tg, TG_SHAPE(11))) && tg_dict_set(d, "head.weight", tg_zeros(tg, TG_SHAPE(10, 4))));
    CHECK(!tg_load_state_dict(b, d, NULL) && strstr(tg_error_text(tg), "head.bias is [10] in the model, [11] in the file"));
    tg_clear(tg);
    CHECK(tg_item(tg_sum(tg_abs(tg_sub(tg_forward(a, x), tg_forward(b, x))))) == 0);
    CHECK(tg_load_state_dict(b, d, &report) && report.loaded == 18 && report.misshapen == 1 && tg_item(tg_sum(tg_abs(tg_module_tensor_at(b, "head.weight")))) == 0);
    tg_dict_free(d);
    CHECK(tg_save(a, "test_nn.tmp") && tg_load(b, "test_nn.tmp", NULL));
    CHECK(tg_item(tg_sum(tg_abs(tg_sub(tg_forward(a, x), tg_forward(b, x))))) == 0);
    (void)remove("test_nn.tmp");
    CHECK(!tg_load(b, "test_nn.tmp", &report) && report.loaded == 0);
    tg_clear(tg);
    tg_module_free(a); tg_module_free(b);
}
static tg_tensor *triangle(tg_ctx *tg, int64_t n) { return tg_triu(tg_full(tg, TG_SHAPE(n, n), 1, TG_BOOL), 1); }
static bool equal(tg_tensor *a, tg_tensor *b);
static void test_sequences(tg_ctx *tg) {
    tg_module *lstm = tg_nn_lstm(tg, 4, 6, .batch_first = true, .bidirectional = true, .layers = 2), *cell = tg_nn_gru_cell(tg, 4, 6, .no_bias = true), *t, *e, *a;
    tg_tensor *x = tg_randn(tg, TG_SHAPE(3, 5, 4)), *h, *c, *y, *z, *list[16];
    CHECK(lstm && tg_module_tensor_at(lstm, "weight_hh_l1_reverse") && tg_module_tensor_at(lstm, "weight_ih_l1")->shape[1] == 12);
    CHECK_INT(tg_parameters(lstm, list, 16), 16);
    CHECK((y = tg_forward_rnn(lstm, x, .c_n = &c, .h_n = &h)) && y->shape[0] == 3 && y->shape[2] == 12 && h->shape[0] == 4 && c->shape[1] == 3);
    CHECK(tg_item(tg_sum(tg_abs(tg_sub(y, tg_forward(lstm, x))))) == 0);
    CHECK((y = tg_forward_rnn(cell, tg_select(x, 1, 0), .h0 = tg_ones(tg, TG_SHAPE(3, 6)))) && y->shape[1] == 6);
    CHECK(!tg_forward_rnn(tg_module_at(lstm, ""), NULL) && strstr(tg_error_text(tg), "forward_rnn: "));
    tg_clear(tg);
    CHECK(!tg_nn_gru(tg, 4, 6, .proj_size = 2) && strstr(tg_error_text(tg), "proj_size is of LSTM alone"));
    tg_clear(tg);
    tg_module_free(lstm); tg_module_free(cell);
    t = tg_nn_transformer(tg, 8, 2, .batch_first = true, .decoder_layers = 1, .dim_feedforward = 16, .layers = 2);
    CHECK(t && tg_module_tensor_at(t, "encoder.layers.1.self_attn.out_proj.bias") && tg_module_tensor_at(t, "decoder.layers.0.multihead_attn.in_proj_weight") && tg_module_tensor_at(t, "decoder.norm.bias"));
    tg_train(t, false);
    x = tg_randn(tg, TG_SHAPE(3, 5, 8)); z = tg_randn(tg, TG_SHAPE(3, 4, 8));
    CHECK((y = tg_forward_transformer(t, x, z, .tgt_mask = triangle(tg, 4))) && y->shape[1] == 4 && y->shape[2] == 8);
    CHECK(y && tg_backward(tg_sum(tg_square(y))) && tg_has_grad(tg_module_tensor_at(t, "encoder.layers.0.linear1.weight")));
    CHECK(!tg_forward_transformer(t, tg_randn(tg, TG_SHAPE(3, 5, 7)), z));
    CHECK_MSG(strstr(tg_error_text(tg), "encoder.layers.0.self_attn: multi_head_attention_forward: ") == tg_error_text(tg), "%s", tg_error_text(tg));
    tg_clear(tg);
    e = tg_module_at(t, "encoder");
    CHECK(!tg_forward_transformer(e, x, z) && strstr(tg_error_text(tg), "takes src alone"));
    tg_clear(tg);
    CHECK((y = tg_forward_with(t, x, z)) && equal(y, tg_forward_transformer(t, x, z)));
    CHECK(!tg_forward(t, x) && strstr(tg_error_text(tg), "Transformer takes 2 operands, got 1"));
    tg_clear(tg);
    tg_module_free(t);
    a = tg_nn_multihead_attention(tg, 8, 2, .add_bias_kv = true, .add_zero_attn = true, .kdim = 5, .vdim = 6);
    CHECK((y = tg_forward_attention(a, x, tg_randn(tg, TG_SHAPE(7, 5, 5)), tg_randn(tg, TG_SHAPE(7, 5, 6)), .weights = &h)) && tg__same_shape(y, x) && h->shape[2] == 9);
    CHECK(!tg_forward_attention(a, x, NULL, NULL) && !tg_forward_rnn(a, x));
    tg_clear(tg);
    {                                                                  /* torch's order: its own, then those of its parts */
        static const char *const order[] = { "q_proj_weight", "k_proj_weight", "v_proj_weight", "in_proj_bias", "bias_k", "bias_v", "out_proj.weight", "out_proj.bias" };
        tg_tensor *list[9];
        size_t i;
        CHECK(tg_parameters(a, list, 9) == 8);
        for (i = 0; i < 8; i++) CHECK_MSG(list[i] == tg_module_tensor_at(a, order[i]), "%s is not parameter %d", order[i], (int)i);
    }
    tg_module_free(a);
#define SAYS(call, text) (CHECK(!(call)), CHECK_MSG(strncmp(tg_error_text(tg), text, strlen(text)) == 0, "%s", tg_error_text(tg)), tg_clear(tg))
    SAYS(tg_nn_multihead_attention(tg, 8, 3), "nn_multihead_attention: MultiheadAttention: embed_dim 8 does not fall into 3 heads");
    SAYS(tg_nn_embedding(tg, 10, 4, .padding_idx = TG_IS(10)), "nn_embedding: Embedding: padding_idx 10 is none of 10 rows");
    CHECK((a = tg_nn_embedding(tg, 10, 4, .padding_idx = TG_IS(-10))) && tg_item(tg_sum(tg_abs(tg_select(tg_detach(tg_module_tensor_at(a, "weight")), 0, 0)))) == 0);
    tg_module_free(a);
    a = tg_nn_sequential(tg, tg_nn_lstm(tg, 4, 6));
    SAYS(tg_forward(a, tg_ones(tg, TG_SHAPE(2, 3, 5))), "0: forward: LSTM: x is f32[2, 3, 5], and its last dimension is to be 4");
    tg_module_free(a);
    a = tg_nn_batch_norm2d(tg, 3);
    SAYS(tg_forward(a, tg_ones(tg, TG_SHAPE(2, 3))), "forward: BatchNorm2d takes x of 4 dimensions, got f32[2, 3]");
    tg_module_free(a);
    a = tg_nn_instance_norm2d(tg, 3);
    SAYS(tg_forward(a, tg_ones(tg, TG_SHAPE(2, 3))), "forward: InstanceNorm2d takes x of 3 or 4 dimensions, got f32[2, 3]");
    tg_module_free(a);
}
/* A tensor in another's place: tied, or computed. */
static void test_set(tg_ctx *tg) {
    tg_module *m = tg_nn_sequential(tg, tg_nn_linear(tg, 3, 3), tg_nn_linear(tg, 3, 3));
    tg_tensor *v = tg_require_grad(tg_randn(tg, TG_SHAPE(3, 3)), true), *list[4];
    CHECK(tg_module_set(m, "1.weight", tg_module_tensor_at(m, "0.weight")));
    CHECK_INT(tg_parameters(m, list, 4), 3);
    CHECK(tg_module_set(m, "0.weight", tg_mul_scalar(v, 2)) && tg_backward(tg_sum(tg_forward(m, tg_ones(tg, TG_SHAPE(2, 3))))) && tg_has_grad(v));
    CHECK(!tg_module_set(m, "0.weight", tg_ones(tg, TG_SHAPE(3))) && strstr(tg_error_text(tg), "0.weight is f32[3, 3], got f32[3]"));
    tg_clear(tg);
    CHECK(!tg_module_set(m, "0.none", v) && strstr(tg_error_text(tg), "Sequential has no parameter or buffer 0.none"));
    tg_clear(tg);
    tg_module_free(m);
}
static void test_training(tg_ctx *tg) {
    static const float in[8] = { 0, 0, 0, 1, 1, 0, 1, 1 }, out[4] = { 0, 1, 1, 0 };
    tg_tensor *x = tg_from(tg, TG_SHAPE(4, 2), TG_F32, in), *y = tg_from(tg, TG_SHAPE(4, 1), TG_F32, out);
    tg_module *net = tg_nn_sequential(tg, tg_nn_linear(tg, 2, 8), tg_nn_tanh(tg), tg_nn_linear(tg, 8, 1)), *none = tg_nn_relu(tg);
    tg_optim *opt = tg_optim_adam(net, 0.05), *few;
    double loss = 1;
    int step;
    CHECK(opt && tg_optim_count(opt) == 4);
    for (step = 0; step < 400; step++) {
        tg_mark m = tg_begin(tg);
        tg_tensor *l = tg_mse_loss(tg_forward(net, x), y);
        CHECK(tg_backward(l) && tg_step(opt));
        loss = tg_item(l);
        tg_end(tg, m);
    }
    CHECK_MSG(loss < 1e-3, "%g", loss);
    tg_freeze(tg_module_at(net, "0"), true);
    few = tg_optim_sgd(net, 0.1, .momentum = TG_IS(0.9));
    CHECK(few && tg_optim_count(few) == 2);
    tg_optim_free(few);
    CHECK(!tg_optim_sgd(none, 0.1) && strstr(tg_error_text(tg), "ReLU has no parameter that requires a gradient"));
    tg_clear(tg);
    CHECK(!tg_optim_sgd(NULL, 0.1) && !tg_failed(tg));
    tg_optim_free(opt);
    tg_module_free(net); tg_module_free(none);
}
/* Every allocation fails once: NULL and an error, or a model; nothing is lost. */
static void test_memory(void) {
    test_heap heap = TEST_HEAP;
    for (heap.fail_at = 1; ; heap.fail_at++) {
        tg_ctx *tg = test_open_heap(&heap);
        tg_module *m = tg ? net_new(tg) : NULL, *c = m ? tg_module_copy(m) : NULL;
        if (m) (void)tg_forward(m, tg_randn(tg, TG_SHAPE(1, 3, 8, 8)));
        if (m) (void)tg_module_to(m, TG_F64);
        if (tg) CHECK(m || tg_failed(tg));
        tg_module_free(m); tg_module_free(c);
        if (tg) tg_module_free(tg_nn_transformer(tg, 4, 2, .decoder_layers = 1, .dim_feedforward = 4, .layers = 1));
        if (tg) tg_module_free(tg_nn_lstm(tg, 2, 3));
        m = tg ? tg_nn_linear(tg, 3, 4) : NULL;
        if (m && !tg_spectral_norm(m, "weight")) CHECK(tg_module_tensor_at(m, "weight") && tg_module_tensor_at(m, "weight")->requires_grad && tg_module_tensor_at(m, "parametrizations.weight.original") == NULL);
        tg_module_free(m);
        test_close(tg);
        if (!test_heap_ended(&heap)) break;
    }
}
static tg_tensor *doubled(void *user, tg_module *m, tg_tensor *x, tg_tensor *y) {
    (void)x; (void)m;
    ++*(int *)user;
    return tg_mul_scalar(y, 2);
}
static void test_mistakes(tg_ctx *tg) {
    block *b = TG_MODULE(tg, block, block_forward);
    int calls = 0;
    double y;
    tg_module *m, *s;
    TG_PART(b, conv, NULL);
    CHECK(!TG_MODULE_OF(b) && strstr(tg_error_text(tg), "part conv of block is NULL"));
    tg_clear(tg);
    CHECK(!tg_nn_linear(tg, -1, 3));
    CHECK_MSG(strstr(tg_error_text(tg), "nn_linear: Linear: sizes must be positive, got -1") == tg_error_text(tg), "%s", tg_error_text(tg));
    tg_clear(tg);
    CHECK(!tg_nn_sequential(tg, tg_nn_linear(tg, 3, 3), tg_nn_conv2d(tg, 3, 4, 3, .groups = 2), tg_nn_relu(tg)) && strstr(tg_error_text(tg), "3 and 4 channels do not fall into 2 groups"));
    tg_clear(tg);
    m = tg_nn_list(tg);
    CHECK(tg_nn_append(m, tg_nn_linear(tg, 2, 2)) == m && tg_nn_append(m, tg_nn_relu(tg)) == m && tg_nn_named(m, "last", tg_nn_tanh(tg)) == m && tg_module_at(m, "last"));
    CHECK(!tg_nn_named(m, "last", tg_nn_tanh(tg)) && strstr(tg_error_text(tg), "ModuleList has a last already"));
    tg_clear(tg);
    CHECK(!tg_nn_append(m, m) && strstr(tg_error_text(tg), "would hold itself"));
    tg_clear(tg);
    tg_module_free(m);
    s = tg_nn_sequential(tg, tg_nn_linear(tg, 2, 2), tg_nn_dropout(tg, 0.5), tg_nn_flatten(tg));
    CHECK(tg_module_hook(tg_module_at(s, "0"), doubled, &calls));
    tg_train(s, false);
    y = tg_item(tg_sum(tg_forward(s, tg_ones(tg, TG_SHAPE(1, 2)))));
    CHECK_NEAR(y, 2 * tg_item(tg_sum(tg_linear(tg_ones(tg, TG_SHAPE(1, 2)), tg_module_tensor_at(s, "0.weight"), tg_module_tensor_at(s, "0.bias")))), 1e-5);
    CHECK_INT(calls, 1);
    CHECK(!tg_forward(s, NULL) && strstr(tg_error_text(tg), "forward: "));
    tg_clear(tg);
    CHECK(!tg_forward(NULL, tg_ones(tg, TG_SHAPE(1))) && strstr(tg_error_text(tg), "forward: "));
    tg_clear(tg);
    tg_module_free(s);
}
/* What an error leaves without an owner may still be named until the error is cleared; then it is gone. */
static void test_lost(tg_ctx *tg) {
    typedef struct pair { tg_module m; tg_module *a, *b; } pair;
    tg_memory_info before = tg_memory(tg), after;
    tg_module *act = tg_nn_relu(tg), *x, *y, *z;
    pair *p, *q;
    CHECK(!tg_nn_sequential(tg, act, tg_nn_linear(tg, -1, 2), act));
    p = TG_MODULE(tg, pair, NULL);
    TG_PART(p, a, act);
    TG_PART(p, b, act);
    CHECK(!TG_MODULE_OF(p));
    tg_clear(tg);
    act = tg_nn_relu(tg);
    p = TG_MODULE(tg, pair, NULL);
    q = TG_MODULE(tg, pair, NULL);
    TG_PART(p, a, act);
    TG_PART(p, b, NULL);
    CHECK(!TG_MODULE_OF(p));
    TG_PART(q, a, act);
    CHECK(!TG_MODULE_OF(q));
    tg_module_free(&q->m);
    tg_clear(tg);
    after = tg_memory(tg);
    CHECK_INT(after.now - after.cached, before.now - before.cached);
    /* parts in a circle, by way of one that is shared */
    x = tg_nn_list(tg); y = tg_nn_list(tg); z = tg_nn_list(tg);
    CHECK(tg_nn_append(x, y) && tg_nn_append(z, y));
    CHECK(!tg_nn_append(y, z) && strstr(tg_error_text(tg), "would hold itself"));
    tg_clear(tg);
    tg_module_free(z); tg_module_free(x);
}
/* Row-sparse gradients and hooks stay with what is copied or converted; hooks are called by every way into a module. */
static void test_kept(tg_ctx *tg) {
    int calls = 0;
    tg_module *e = tg_nn_embedding(tg, 5, 3, .sparse = true), *c = tg_module_copy(e), *g = tg_nn_gru(tg, 3, 4), *a = tg_nn_multihead_attention(tg, 4, 2),
        *t = tg_nn_transformer_encoder_layer(tg, 4, 2, .dim_feedforward = 4);
    tg_tensor *x = tg_randn(tg, TG_SHAPE(2, 1, 3)), *q = tg_randn(tg, TG_SHAPE(2, 1, 4)), *v;
    CHECK(tg_module_tensor_at(c, "weight")->sparse_grad);
    CHECK(tg_module_to(e, TG_F64) && tg_module_tensor_at(e, "weight")->sparse_grad);
    tg_module_free(e); tg_module_free(c);
    CHECK(tg_module_hook(g, doubled, &calls) && tg_module_hook(a, doubled, &calls) && tg_module_hook(t, doubled, &calls));
    CHECK(tg_forward_rnn(g, x) && tg_forward_attention(a, q, q, q) && tg_forward_transformer(t, q, NULL));
    CHECK_INT(calls, 3);
    c = tg_module_copy(g);
    CHECK(tg_forward(c, x));
    CHECK_INT(calls, 4);
    tg_module_free(c); tg_module_free(g); tg_module_free(a); tg_module_free(t);
    /* a weight that is computed is no parameter */
    c = tg_nn_linear(tg, 3, 3);
    v = tg_require_grad(tg_randn(tg, TG_SHAPE(3, 3)), true);
    CHECK(tg_module_set(c, "weight", tg_mul_scalar(v, 2)));
    CHECK_INT(tg_parameters(c, NULL, 0), 1);
    tg_freeze(c, true);
    CHECK(tg_forward(c, x)->requires_grad && !tg_module_tensor_at(c, "bias")->requires_grad);
    tg_module_free(c);
    CHECK_OK(tg);
}
/* Options of another layer are refused where the layer is made. */
static void test_refusals(tg_ctx *tg) {
    CHECK(!tg_nn_lstm_cell(tg, 3, 4, .proj_size = 2) && strstr(tg_error_text(tg), "proj_size is of LSTM alone"));
    tg_clear(tg);
    CHECK(!tg_nn_conv_transpose2d(tg, 3, 4, 2, .padding_mode = TG_NN_REFLECT) && strstr(tg_error_text(tg), "has no padding_mode"));
    tg_clear(tg);
    CHECK(!tg_nn_conv_transpose1d(tg, 3, 4, 2, .same = true) && strstr(tg_error_text(tg), "no `same`"));
    tg_clear(tg);
    CHECK(!tg_nn_conv2d(tg, 3, 4, 2, .output_padding = {0, 1}) && strstr(tg_error_text(tg), "output_padding is of transposed"));
    tg_clear(tg);
    CHECK(!tg_nn_conv2d(tg, 3, 4, 3, .same = true, .stride = {2, 1}) && strstr(tg_error_text(tg), "needs a stride of 1"));
    tg_clear(tg);
}
/* Modules of several operands: as the functions of the same names. */
static bool equal(tg_tensor *a, tg_tensor *b) { return a && b && tg_item(tg_sum(tg_abs(tg_sub(tg_reshape(a, TG_SHAPE(-1)), tg_reshape(b, TG_SHAPE(-1)))))) == 0; }
typedef struct mixer { tg_module m; tg_module *first; tg_tensor *w; } mixer;
static tg_tensor *mixer_forward(tg_module *m, tg_tensor *const *x, int n) {
    mixer *b = (mixer *)(void *)m;
    tg_tensor *y = tg_forward(b->first, x[0]);
    if (n > 1 && x[1]) y = tg_add(y, tg_mul(x[1], b->w));
    return y;
}
static void test_operands(tg_ctx *tg) {
    static const int64_t classes[4] = { 1, 0, 4, -100 }, rows[6] = { 1, 2, 4, 5, 4, 3 }, starts[3] = { 0, 2, 5 };
    tg_tensor *x = tg_randn(tg, TG_SHAPE(4, 5)), *y = tg_randn(tg, TG_SHAPE(4, 5)), *w = tg_rand(tg, TG_SHAPE(5)), *c = tg_from(tg, TG_SHAPE(4), TG_I64, classes);
    tg_tensor *i = tg_from(tg, TG_SHAPE(6), TG_I64, rows), *at = tg_from(tg, TG_SHAPE(3), TG_I64, starts), *places = NULL, *im = tg_randn(tg, TG_SHAPE(2, 3, 6, 6)), *z;
    tg_module *m = tg_nn_cross_entropy_loss(tg, .label_smoothing = 0.1, .weight = w), *copy;
    mixer *b;
    int calls = 0;
    CHECK(equal(tg_forward_with(m, x, c), tg_cross_entropy(x, c, .label_smoothing = 0.1, .weight = w)));
    CHECK(tg_module_tensor_at(m, "weight") == w && tg_parameters(m, NULL, 0) == 0 && strcmp(m->kind, "CrossEntropyLoss") == 0);
    copy = tg_module_copy(m);
    CHECK(tg_module_to(copy, TG_F64) && tg_forward_with(copy, tg_to(x, TG_F64), c));
    tg_module_free(copy); tg_module_free(m);
    CHECK(equal(tg_forward_with(tg_nn_smooth_l1_loss(tg, .beta = TG_IS(0.5), .reduction = TG_LOSS_SUM), x, y), tg_smooth_l1_loss(x, y, .beta = TG_IS(0.5), .reduction = TG_LOSS_SUM)));
    CHECK(equal(tg_forward_with(tg_nn_triplet_margin_loss(tg, .margin = TG_IS(0.8), .swap = true), x, y, im ? tg_neg(x) : x), tg_triplet_margin_loss(x, y, tg_neg(x), .margin = 0.8, .swap = true)));
    CHECK(equal(tg_forward_with(tg_nn_bce_with_logits_loss(tg, .pos_weight = w), x, tg_sigmoid(y)), tg_binary_cross_entropy_with_logits(x, tg_sigmoid(y), .pos_weight = w)));
    CHECK(!tg_forward(tg_nn_l1_loss(tg), x) && strstr(tg_error_text(tg), "L1Loss takes 2 operands, got 1"));
    tg_clear(tg);
    CHECK(!tg_forward_with(tg_nn_l1_loss(tg), x, NULL) && strstr(tg_error_text(tg), "operand 2 is NULL"));
    tg_clear(tg);
    CHECK(!tg_forward_with(tg_nn_relu(tg), x, y) && strstr(tg_error_text(tg), "ReLU takes one operand, got 2"));
    tg_clear(tg);
    m = tg_nn_bilinear(tg, 5, 3, 4);
    z = tg_randn(tg, TG_SHAPE(4, 3));
    CHECK(equal(tg_forward_with(m, x, z), tg_bilinear(x, z, tg_module_tensor_at(m, "weight"), tg_module_tensor_at(m, "bias"))) && tg_module_tensor_at(m, "weight")->shape[2] == 3);
    m = tg_nn_embedding_bag(tg, 7, 5, .mode = TG_BAG_SUM, .padding_idx = TG_IS(2), .sparse = true);
    z = tg_forward_with(m, i, at, tg_rand(tg, TG_SHAPE(6)));
    CHECK(z && z->shape[0] == 3 && tg_backward(tg_sum(z)) && tg_module_tensor_at(m, "weight")->grad->opaque);
    CHECK(tg_step(tg_optim_sparse_adam(m, 0.1)) && tg_step(tg_optim_sgd(m, 0.1)));
    CHECK(equal(tg_forward_with(tg_nn_pairwise_distance(tg, 2, 1e-6, true), x, y), tg_pairwise_distance(x, y, 2, 1e-6, true)));
    CHECK(equal(tg_forward_with(tg_nn_cosine_similarity(tg, 1, 1e-8), x, y), tg_cosine_similarity(x, y, 1, 1e-8)));
    z = tg_max_pool2d(im, .indices = &places, .kernel = {2});
    CHECK(equal(tg_forward_with(tg_nn_max_unpool2d(tg, 2), z, places), tg_max_unpool2d(z, places, .kernel = {2})));
    CHECK(equal(tg_forward(tg_nn_lp_pool2d(tg, 2, .p = 3), tg_abs(im)), tg_lp_pool2d(tg_abs(im), .kernel = {2}, .p = 3)));
    z = tg_forward(tg_nn_unfold_layer(tg, 3, .padding = {1, 1}), im);
    CHECK(equal(z, tg_nn_unfold(im, .kernel = {3, 3}, .padding = {1, 1})));
    CHECK(equal(tg_forward(tg_nn_fold_layer(tg, 3, .padding = {1, 1}, .size = {6, 6}), z), tg_fold(z, .kernel = {3, 3}, .padding = {1, 1}, .size = {6, 6})));
    CHECK(equal(tg_forward(tg_nn_softmax2d(tg), im), tg_softmax(im, 1)) && tg_forward(tg_nn_fractional_max_pool2d(tg, 2, .output_ratio = {0.5}), im)->shape[3] == 3);
    CHECK_OK(tg);
    /* one of one's own */
    b = TG_MODULE_WITH(tg, mixer, mixer_forward);
    TG_PART(b, first, tg_nn_linear(tg, 5, 5));
    TG_PARAM(b, w, tg_ones(tg, TG_SHAPE(5)));
    m = TG_MODULE_OF(b);
    CHECK(tg_module_hook(m, doubled, &calls) && tg_forward_with(m, x, y) && tg_forward(m, x) && calls == 2);
    CHECK(!tg_forward_with(m, x, tg_ones(tg, TG_SHAPE(7))) && strstr(tg_error_text(tg), "mul: ") == tg_error_text(tg));
    tg_clear(tg);
    m = tg_nn_sequential(tg, m, tg_nn_relu(tg));
    CHECK(tg_forward(m, x));
    CHECK(!tg_forward(m, im) && strstr(tg_error_text(tg), "0.first: linear: ") == tg_error_text(tg));
    tg_clear(tg);
}
/* Hooks that go again; a pool and its places; a model's numbers in another's; gradients of an optimiser's parameters clipped; another context's model. */
static tg_tensor *taxicab(void *user, tg_tensor *a, tg_tensor *b) { ++*(int *)user; return tg_sum_dims(tg_abs(tg_sub(a, b)), TG_DIMS(-1), false); }
static void test_later(tg_ctx *tg) {
    static const int64_t numbers[6] = { 5, -3, INT64_C(9007199254740993), 0, INT64_MIN, INT64_MAX };
    const double nothing = 0;
    double norm;
    int calls = 0, others = 0, i;
    int64_t back[6];
    tg_module *m = tg_nn_relu(tg), *pool = tg_nn_max_pool2d(tg, 2), *c, *avg;
    tg_tensor *x = tg_randn(tg, TG_SHAPE(2, 3, 4, 4)), *y, *places = x, *want, *list[2], *was;
    tg_optim *opt;
    test_heap heap = TEST_HEAP;
    tg_ctx *own;
    CHECK(tg_module_hook(m, doubled, &calls) && tg_module_hook(m, doubled, &others) && tg_module_hook(m, doubled, &calls));
    CHECK(equal(tg_forward(m, x), tg_mul_scalar(tg_relu(x), 8)) && calls == 2 && others == 1);
    CHECK(tg_module_unhook(m, doubled, &calls) && equal(tg_forward(m, x), tg_mul_scalar(tg_relu(x), 4)) && calls == 3 && others == 2);
    CHECK(tg_module_unhook(m, doubled, &calls) && !tg_module_unhook(m, doubled, &calls) && !tg_module_unhook(m, NULL, NULL) && !tg_module_unhook(NULL, doubled, &calls));
    CHECK(tg_forward(m, x) && calls == 3 && others == 3);
    tg_module_free(m);
    /* places */
    CHECK(tg_module_hook(pool, doubled, &others));
    y = tg_forward_pool(pool, x, &places);
    want = tg_max_pool2d(x, .kernel = {2});
    CHECK(equal(y, tg_mul_scalar(want, 2)) && places && places->dtype == TG_I64);
    CHECK(tg_module_unhook(pool, doubled, &others));
    CHECK(tg_forward(pool, x) && equal(tg_forward_with(tg_nn_max_unpool2d(tg, 2), tg_forward_pool(pool, x, &places), places), tg_max_unpool2d(want, places, .kernel = {2})));
    CHECK(tg_forward_pool(tg_nn_fractional_max_pool2d(tg, 2, .output_size = {2, 2}), x, &places) && places->shape[2] == 2 && tg_forward_pool(pool, x, NULL));
    CHECK(tg_forward_pool(tg_nn_adaptive_max_pool2d(tg, TG_DIMS(2, 2)), x, &places) && equal(places, (tg_max_pool2d(x, .indices = &want, .kernel = {2}), want)));
    want = tg_max_pool2d(x, .kernel = {2});
    CHECK(!tg_forward_pool(tg_nn_avg_pool2d(tg, 2), x, &places) && !places && strstr(tg_error_text(tg), "forward_pool: AvgPool2d gives no places"));
    tg_clear(tg);
    CHECK(!tg_forward_pool(pool, tg_ones(tg, TG_SHAPE(3)), &places) && !places);
    tg_clear(tg);
    /* whole numbers in and out */
    y = tg_from_i64(tg, TG_SHAPE(2, 3), numbers);
    CHECK(y && y->dtype == TG_I64 && tg_read_i64(y, back, 6) && memcmp(back, numbers, sizeof back) == 0);
    CHECK(tg_read_i64(tg_t(y), back, 6) && back[1] == 0 && tg_read_i64(tg_from_f32(tg, TG_SHAPE(2), (const float[]){ -2.75f, 3 }), back, 2) && back[0] == -2 && back[1] == 3);
    CHECK(!tg_read_i64(y, back, 5) && strstr(tg_error_text(tg), "read_i64: "));
    tg_clear(tg);
    CHECK(!tg_from_i64(tg, TG_SHAPE(2), NULL));
    tg_clear(tg);
    /* averages */
    m = net_new(tg); avg = tg_module_copy(m);
    (void)tg_parameters(m, list, 2);
    was = tg_clone(tg_detach(list[0]));
    for (i = 0; i < 2; i++) {                                            /* statistics and weights move */
        (void)tg_forward(m, tg_randn(tg, TG_SHAPE(2, 3, 8, 8)));
        (void)tg_grad_mode(tg, false); (void)tg_add_(list[0], tg_full(tg, TG_SCALAR, 1, TG_F32)); (void)tg_grad_mode(tg, true);
    }
    CHECK(tg_module_ema_(avg, m, 0.75));
    CHECK(tg_allclose(tg_detach(tg_module_tensor_at(avg, "stem.0.weight")), tg_add_scalar(was, 0.5), 1e-6, 1e-6));
    CHECK(tg_equal(tg_module_tensor_at(avg, "layers.0.norm.running_mean"), tg_module_tensor_at(m, "layers.0.norm.running_mean")) && tg_item(tg_module_tensor_at(avg, "layers.0.norm.num_batches_tracked")) == 2);
    CHECK(tg_module_ema_(avg, m, 0) && test_hash_weights(avg) == test_hash_weights(m));
    CHECK(!tg_module_ema_(avg, pool, 0.5) && strstr(tg_error_text(tg), "module_ema_: net has 12 parameters and MaxPool2d has 0"));
    tg_clear(tg);
    CHECK(!tg_module_ema_(tg_nn_batch_norm2d(tg, 3, .no_running = true), tg_nn_batch_norm2d(tg, 3), 0.5) && strstr(tg_error_text(tg), "the average has no buffer running_mean") != NULL);
    tg_clear(tg);
    CHECK(!tg_module_ema_(avg, NULL, 0.5));
    tg_clear(tg);
    CHECK(tg_module_ema_(pool, pool, 0.5));                              /* of nothing */
    tg_module_free(avg);
    /* clipped */
    opt = tg_optim_sgd(tg_module_at(m, "stem"), 0.1);
    CHECK(tg_optim_group(opt, &((net *)(void *)m)->scale, 1, 0.2));
    CHECK(tg_backward(tg_sum(tg_square(tg_forward(m, tg_randn(tg, TG_SHAPE(2, 3, 8, 8)))))));
    y = tg_clone(tg_grad_of(((net *)(void *)m)->scale)); want = tg_clone(tg_grad_of(list[0]));
    norm = tg_optim_clip_grad_norm(opt, 1e-3);
    CHECK_NEAR(norm, tg_item(tg_sqrt(tg_add(tg_sum(tg_square(y)), tg_sum(tg_square(want))))), 1e-2);
    norm = tg_optim_clip_grad_norm(opt, 1);
    CHECK_NEAR(norm, 1e-3, 1e-6);
    CHECK(isnan(tg_optim_clip_grad_norm(NULL, 1)) && isnan(tg_optim_clip_grad_norm(opt, NAN)) && strstr(tg_error_text(tg), "test_nn.c"));
    tg_clear(tg);
    tg_optim_free(opt);
    /* shared */
    CHECK(tg_weight_norm(tg_module_at(m, "head"), "weight"));
    tg_train(m, false);
    x = tg_randn(tg, TG_SHAPE(2, 3, 8, 8));
    want = tg_forward(m, x);
    own = test_open_heap(&heap);
    c = tg_module_share(own, m);
    CHECK(c && c->tg == own && !c->training && tg_module_tensor_at(c, "scale")->data == tg_module_tensor_at(m, "scale")->data && tg_module_tensor_at(c, "scale")->requires_grad);
    y = tg_forward(c, tg_from(own, TG_SHAPE(2, 3, 8, 8), TG_F32, x->data));
    CHECK(y && want && tg_dtype_bytes(y->dtype, y->numel) == 2 * 10 * sizeof(float) && memcmp(y->data, want->data, 2 * 10 * sizeof(float)) == 0);
    tg_train(c, true);                                                   /* statistics would move: they are frozen, here and there */
    CHECK(!tg_forward(c, tg_from(own, TG_SHAPE(2, 3, 8, 8), TG_F32, x->data)) && tg_error(own) == TG_ERROR_FROZEN);
    tg_clear(own);
    tg_train(m, true);
    CHECK(!tg_forward(m, x)); CHECK_ERROR(tg, TG_ERROR_FROZEN);
    CHECK(!tg_module_share(own, NULL) && tg_failed(own) && !tg_module_share(NULL, m) && !tg_failed(tg));
    tg_clear(own);
    tg_module_free(c);
    CHECK(!tg_add(x, tg_ones(tg, TG_SHAPE(5))));                         /* what fails there is an error here too */
    CHECK(!tg_module_share(own, m) && tg_failed(own));
    tg_clear(own); tg_clear(tg);
    test_close(own);
    CHECK(tg_forward(m, x) != NULL);                                     /* nobody else has them any more */
    (void)test_heap_ended(&heap);
    for (heap.fail_at = 1; ; heap.fail_at++) {                           /* where memory runs out in the other context, or for what both are to have */
        own = test_open_heap(&heap);
        if (own) { c = tg_module_share(own, m); CHECK_MSG(c ? !tg_failed(own) : tg_error(own) == TG_ERROR_MEMORY, "%s", tg_error_text(own)); CHECK_OK(tg); tg_module_free(c); test_close(own); }
        if (!test_heap_ended(&heap)) break;
    }
    tg_module_free(m); tg_module_free(pool);
    /* a distance of one's own */
    x = tg_randn(tg, TG_SHAPE(4, 5)); y = tg_randn(tg, TG_SHAPE(4, 5)); want = tg_randn(tg, TG_SHAPE(4, 5));
    calls = 0;
    m = tg_nn_triplet_margin_loss(tg, .distance = taxicab, .margin = TG_IS(0.7), .swap = true, .user = &calls);
    CHECK(tg_allclose(tg_forward_with(m, x, y, want), tg_triplet_margin_loss(x, y, want, .eps = {true, nothing}, .margin = 0.7, .p = TG_IS(1), .swap = true), 1e-5, 1e-6) && calls == 3);
    CHECK(!tg_nn_triplet_margin_loss(tg, .margin = {true, nothing}) && strstr(tg_error_text(tg), "the margin must be above 0, got 0"));
    tg_clear(tg);
    tg_module_free(m);
    CHECK_OK(tg);
}
/* Frequent and rare classes: the loss is that of all probabilities, which are one in sum. */
static void test_adaptive(tg_ctx *tg) {
    static const int64_t to[6] = { 0, 9, 3, 2, 8, 1 }, wrong[6] = { 0, 9, 3, 2, 8, 10 }, falls[2] = { 3, 3 };
    tg_module *m = tg_nn_adaptive_log_softmax_with_loss(tg, 8, 10, TG_DIMS(2, 6), 2, true), *c;
    tg_tensor *x = tg_require_grad(tg_randn(tg, TG_SHAPE(6, 8)), true), *t = tg_from_i64(tg, TG_SHAPE(6), to), *all, *loss, *g[2], *w;
    CHECK(m && tg_module_tensor_at(m, "head.bias") && tg_module_tensor_at(m, "tail.1.0.weight")->shape[0] == 2 && tg_module_tensor_at(m, "tail.0.1.weight")->shape[0] == 4);
    CHECK_INT(tg_parameters(m, NULL, 0), 6);
    all = tg_forward(m, x); loss = tg_forward_with(m, x, t);
    CHECK(all && all->shape[1] == 10 && tg_allclose(tg_sum_dims(tg_exp(tg_detach(all)), TG_DIMS(1), false), tg_ones(tg, TG_SHAPE(6)), 1e-5, 1e-6));
    all = tg_neg(tg_mean(tg_gather(all, 1, tg_unsqueeze(t, 1))));
    CHECK(loss && loss->ndim == 0 && tg_allclose(tg_detach(loss), tg_detach(all), 1e-6, 1e-6));
    CHECK(tg_grad(&loss, 1, &x, 1, g) && tg_grad(&all, 1, &x, 1, g + 1) && tg_allclose(g[0], g[1], 1e-5, 1e-6));
    CHECK(tg_backward(tg_forward_with(m, x, tg_zeros_like(t))) && !tg_has_grad(tg_module_tensor_at(m, "tail.0.0.weight")));      /* no row is of a tail */
    CHECK(!tg_forward_with(m, x, tg_from_i64(tg, TG_SHAPE(6), wrong)) && strstr(tg_error_text(tg), "index 10"));
    tg_clear(tg);
    CHECK(!tg_forward_with(m, x, tg_narrow(t, 0, 0, 5)) && !tg_nn_adaptive_log_softmax_with_loss(tg, 8, 10, 2, falls, 4, false));
    tg_clear(tg);
    CHECK(!tg_nn_adaptive_log_softmax_with_loss(tg, 8, 10, 2, falls, 4, false) && strstr(tg_error_text(tg), "cutoffs must rise"));
    tg_clear(tg);
    c = tg_module_copy(m);
    w = tg_forward_with(c, x, t);
    CHECK(equal(w, tg_forward_with(m, x, t)));
    tg_module_free(m); tg_module_free(c);
    CHECK_OK(tg);
}
/* Weights that are computed before each call */
static void test_norms(tg_ctx *tg) {
    tg_tensor *x = tg_randn(tg, TG_SHAPE(3, 5)), *u, *v, *w, *y;
    int old, i;
    for (old = 0; old < 2; old++) {
        const char *const name = old ? "weight_orig" : "parametrizations.weight.original", *const name_u = old ? "weight_u" : "parametrizations.weight.0._u";
        tg_module *m = tg_nn_linear(tg, 5, 4), *c;
        tg_dict *d;
        double sigma;
        CHECK(old ? tg_spectral_norm(m, "weight", .n_power_iterations = 3, .old_names = true) : tg_spectral_norm(m, "weight"));
        CHECK_INT(tg_parameters(m, NULL, 0), 2);
        for (i = 0; i < 60; i++) CHECK(tg_forward(m, x) != NULL);
        u = tg_module_tensor_at(m, name_u); v = tg_module_tensor_at(m, old ? "weight_v" : "parametrizations.weight.0._v");
        CHECK(u && v && u->shape[0] == 4 && v->shape[0] == 5 && !u->requires_grad);
        sigma = tg_item(tg_dot(u, tg_mv(tg_module_tensor_at(m, name), v)));
        y = tg_linear(x, tg_div_scalar(tg_module_tensor_at(m, name), sigma), tg_module_tensor_at(m, "bias"));
        tg_train(m, false);
        CHECK(tg_allclose(tg_detach(y), tg_detach(tg_forward(m, x)), 1e-5, 1e-6));
        CHECK(tg_allclose(tg_mv(tg_t(tg_detach(tg_module_tensor_at(m, "weight"))), u), v, 1e-3, 1e-3));   /* the largest singular value is 1 */
        CHECK(tg_backward(tg_sum(tg_square(tg_forward(m, x)))) && tg_has_grad(tg_module_tensor_at(m, name)));
        d = tg_state_dict(m);
        CHECK_INT(tg_dict_count(d), 4);
        c = tg_module_copy(m);
        CHECK(c && tg_module_tensor_at(c, "weight") != tg_module_tensor_at(m, "weight") && tg_load_state_dict(c, d, NULL) && equal(tg_forward(c, x), tg_forward(m, x)));
        CHECK(tg_module_to(c, TG_F64) && tg_forward(c, tg_to(x, TG_F64)));
        CHECK(!tg_spectral_norm(m, "weight") && strstr(tg_error_text(tg), "Linear has no parameter weight"));
        tg_clear(tg);
        CHECK(!tg_weight_norm(m, name) && strstr(tg_error_text(tg), "a weight is computed from it already"));
        tg_clear(tg);
        w = tg_to(tg_add_scalar(tg_detach(tg_module_tensor_at(m, name)), 3), TG_F64);
        CHECK(tg_dict_set(d, name, w) && tg_load_state_dict(c, d, NULL));                   /* seen at once */
        CHECK(tg_allclose(tg_detach(tg_module_tensor_at(c, "weight")), tg_div(w, tg_dot(tg_to(u, TG_F64), tg_mv(w, tg_to(v, TG_F64)))), 1e-4, 1e-5));
        tg_dict_free(d); tg_module_free(c); tg_module_free(m);
        m = tg_nn_conv_transpose1d(tg, 3, 4, 2);
        y = tg_forward(m, tg_ones(tg, TG_SHAPE(1, 3, 5)));
        CHECK(old ? tg_weight_norm(m, "weight", .old_names = true) : tg_weight_norm(m, "weight"));
        CHECK(tg_allclose(tg_detach(y), tg_detach(tg_forward(m, tg_ones(tg, TG_SHAPE(1, 3, 5)))), 1e-5, 1e-6));
        v = tg_module_tensor_at(m, old ? "weight_g" : "parametrizations.weight.original0");
        CHECK(v && v->ndim == 3 && v->shape[0] == 3 && v->shape[1] == 1 && tg_fill_(tg_detach(v), 2));
        CHECK(tg_forward(m, tg_ones(tg, TG_SHAPE(1, 3, 5))) && tg_allclose(tg_norm(tg_detach(tg_module_tensor_at(m, "weight")), 2, TG_DIMS(1, 2), false), tg_full(tg, TG_SHAPE(3), 2, TG_F32), 1e-5, 0));
        tg_module_free(m);
        for (int whole = 0; whole < 2; whole++) {                         /* of one dimension: a length for each element, or one for all */
            tg_tensor *bias;
            m = tg_nn_linear(tg, 5, 4);
            bias = tg_clone(tg_detach(tg_module_tensor_at(m, "bias")));
            CHECK(whole ? tg_weight_norm(m, "bias", .dim = TG_IS(-1), .old_names = old != 0) : tg_weight_norm(m, "bias", .old_names = old != 0));
            v = tg_module_tensor_at(m, old ? "bias_g" : "parametrizations.bias.original0");
            CHECK(v && (whole ? v->ndim == 0 : v->ndim == 1 && v->shape[0] == 4));
            CHECK(tg_allclose(tg_detach(tg_module_tensor_at(m, "bias")), bias, 1e-6, 1e-7));
            CHECK(tg_backward(tg_sum(tg_forward(m, x))) && tg_has_grad(v));
            y = tg_grad_of(v);
            if (whole) CHECK_NEAR(tg_item(y), 3 * tg_item(tg_sum(bias)) / tg_item(tg_norm(bias, 2, 0, NULL, false)), 1e-5);
            else CHECK(tg_allclose(y, tg_mul_scalar(tg_sign(bias), 3), 1e-6, 0));
            tg_module_free(m);
        }
    }
    CHECK_OK(tg);
}
/* Layers that take their sizes from the first x; lists of parameters; torch's CrossMapLRN2d. */
static void test_lazy(tg_ctx *tg) {
    tg_module *m, *c, *told;
    tg_tensor *x = tg_randn(tg, TG_SHAPE(2, 3, 8, 8)), *y;
    tg_dict *d;
    char text[1000];
    int i;
    tg_seed(tg, 4);
    m = tg_nn_sequential(tg, tg_nn_conv2d(tg, TG_NN_LAZY, 8, 3, .padding_mode = TG_NN_CIRCULAR, .same = true), tg_nn_batch_norm2d(tg, TG_NN_LAZY), tg_nn_conv_transpose2d(tg, TG_NN_LAZY, 4, 2, .groups = 2),
        tg_nn_instance_norm2d(tg, TG_NN_LAZY, .affine = true), tg_nn_flatten(tg), tg_nn_linear(tg, TG_NN_LAZY, 5, .no_bias = true));
    CHECK(m && tg_parameter_count(m) == 0 && tg_module_format(m, text, sizeof text) && strstr(text, "5  Linear  sizes of the first x"));
#define CHECK_SAYS(tg, code, what) (CHECK_MSG(strstr(tg_error_text(tg), what) != NULL, "%s", tg_error_text(tg)), CHECK_ERROR(tg, code))
#define TOO_EARLY(...) (CHECK(!(__VA_ARGS__)), CHECK_SAYS(tg, TG_ERROR_VALUE, "0, a Conv2d, has no parameters yet: its sizes are those of the first x"))
    TOO_EARLY(tg_state_dict(m)); TOO_EARLY(tg_optim_adam(m, 0.1)); TOO_EARLY(tg_module_copy(m)); TOO_EARLY(tg_parameters(m, NULL, 0)); TOO_EARLY(tg_module_to(m, TG_F64)); TOO_EARLY(tg_save(m, "test_nn.tmp"));
    TOO_EARLY((tg_freeze(m, true), !tg_failed(tg)));
    d = tg_dict_new(tg);
    TOO_EARLY(tg_load_state_dict(m, d, NULL));
    tg_dict_free(d);
    CHECK(!tg_weight_norm(tg_module_at(m, "5"), "weight")); CHECK_SAYS(tg, TG_ERROR_VALUE, "Linear has no parameters yet");
    CHECK(!tg_forward(m, tg_ones(tg, TG_SHAPE(3)))); CHECK_SAYS(tg, TG_ERROR_SHAPE, "0: forward: Conv2d: x has too few dimensions");
    CHECK((y = tg_forward(m, x)) != NULL && y->shape[1] == 5 && y->requires_grad);
    tg_seed(tg, 4);
    told = tg_nn_sequential(tg, tg_nn_conv2d(tg, 3, 8, 3, .padding_mode = TG_NN_CIRCULAR, .same = true), tg_nn_batch_norm2d(tg, 8), tg_nn_conv_transpose2d(tg, 8, 4, 2, .groups = 2),
        tg_nn_instance_norm2d(tg, 4, .affine = true), tg_nn_flatten(tg), tg_nn_linear(tg, 4 * 9 * 9, 5, .no_bias = true));
    CHECK(equal(y, tg_forward(told, x)) && tg_parameters(m, NULL, 0) == 9 && test_hash_weights(m) == test_hash_weights(told));
    CHECK((c = tg_module_copy(m)) != NULL && tg_optim_adam(c, 0.1) && equal(tg_forward(c, x), tg_forward(m, x)));
    CHECK(!tg_forward(m, tg_ones(tg, TG_SHAPE(1, 4, 8, 8))) && tg_failed(tg));      /* sizes stay */
    tg_clear(tg);
    tg_module_free(m); tg_module_free(c); tg_module_free(told);
    m = tg_nn_conv1d(tg, TG_NN_LAZY, 4, 3, .groups = 2);                              /* what does not fit the first time is forgotten */
    CHECK(!tg_forward(m, tg_ones(tg, TG_SHAPE(1, 3, 8))) && strstr(tg_error_text(tg), "3 and 4 channels do not fall into 2 groups"));
    tg_clear(tg);
    CHECK(tg_forward(m, tg_ones(tg, TG_SHAPE(6, 8))) && tg_parameters(m, NULL, 0) == 2);
    tg_module_free(m);
    m = tg_nn_linear(tg, TG_NN_LAZY, 4);
    CHECK((y = tg_forward(m, tg_to(x, TG_BF16))) != NULL && y->dtype == TG_BF16 && tg_module_tensor_at(m, "weight")->dtype == TG_BF16);
    tg_module_free(m);
    CHECK(!tg_nn_linear(tg, -1, 4) && tg_failed(tg));
    tg_clear(tg);

    m = tg_nn_list(tg);
    for (i = 0; i < 3; i++) CHECK(tg_nn_parameter(m, NULL, tg_full(tg, TG_SHAPE(2), i, TG_F32)) != NULL);
    CHECK(tg_nn_parameter(m, "scale", tg_ones(tg, TG_SHAPE(1))) != NULL);
    CHECK(tg_module_tensors(m) == 4 && tg_item(tg_sum(tg_module_tensor_of(m, 2))) == 4 && tg_module_tensor_of(m, 2) == tg_module_tensor_at(m, "2") && tg_module_tensor_of(m, 3)->requires_grad);
    CHECK(!tg_module_tensor_of(m, 4) && !tg_module_tensor_of(NULL, 0) && !tg_module_tensors(NULL) && tg_parameters(m, NULL, 0) == 4);
    tg_module_free(m);
    CHECK_OK(tg);
}
/* Layers that take their sizes from a file; what does not fit leaves them as they were. */
static tg_module *lazy_net(tg_ctx *tg, bool lazy) {
#define SIZE(n) (lazy ? TG_NN_LAZY : (n))
    return tg_nn_sequential(tg, tg_nn_conv2d(tg, SIZE(6), 8, 3, .groups = 2), tg_nn_batch_norm2d(tg, SIZE(8), .no_affine = true), tg_nn_conv_transpose2d(tg, SIZE(8), 4, 2, .groups = 2),
        tg_nn_instance_norm2d(tg, SIZE(4), .affine = true), tg_nn_batch_norm2d(tg, SIZE(4), .no_affine = true, .no_running = true), tg_nn_sequential(tg, tg_nn_flatten(tg), tg_nn_linear(tg, SIZE(196), 5)));
}
static void test_lazy_files(tg_ctx *tg) {
    static const char path[] = "test_nn_lazy.tmp";
    tg_module *told = lazy_net(tg, false), *m, *one;
    tg_tensor *x = tg_randn(tg, TG_SHAPE(2, 6, 8, 8)), *t;
    tg_load_report report;
    tg_random_state random;
    tg_dict *d, *less;
    char text[64];
    int i;
    CHECK(tg_forward(told, x) && tg_save(told, path));
    m = lazy_net(tg, true);
    CHECK(tg_load(m, path, NULL) && tg_parameters(m, NULL, 0) == 8 && test_hash_weights(m) == test_hash_weights(told));
    tg_train(m, false); tg_train(told, false);
    CHECK(equal(tg_forward(m, x), tg_forward(told, x)));
    tg_module_free(m);
    m = lazy_net(tg, true);
    CHECK(tg_load(m, path, &report) && report.loaded == 11 && !report.missing && !report.unexpected && !report.misshapen);
    CHECK(tg_run_save(m, NULL, 7, NULL, path));
    tg_module_free(m);
    m = lazy_net(tg, true);
    { int64_t step = 0; CHECK(tg_run_load(m, NULL, &step, NULL, path) && step == 7 && test_hash_weights(m) == test_hash_weights(told)); }
    tg_module_free(m);
    d = tg_state_dict(told);
    for (i = 0; i < 5; i++) {                        /* a weight is missing; one too many; of another shape; no shape at all; a size without numbers: nothing is known afterwards, and a second try goes well */
        int64_t k;
        less = tg_dict_new(tg);
        for (k = 0; k < tg_dict_count(d); k++) if (i || strcmp(tg_dict_name(d, k), "5.1.weight")) CHECK(tg_dict_set(less, tg_dict_name(d, k), tg_dict_at(d, k)));
        if (i == 1) CHECK(tg_dict_set(less, "more", x));
        if (i == 2) CHECK(tg_dict_set(less, "0.weight", tg_ones(tg, TG_SHAPE(8, 3, 3))));
        if (i >= 3) CHECK(tg_dict_set(less, "5.1.weight", i == 3 ? tg_ones(tg, TG_SHAPE(5)) : tg_ones(tg, TG_SHAPE(0, (int64_t)1 << 40))));
        m = lazy_net(tg, true);
        random = tg_random_get(tg);
        CHECK(!tg_load_state_dict(m, less, NULL));
        CHECK_SAYS(tg, TG_ERROR_VALUE, i == 0 ? "load_state_dict: 5.1, a Linear, has no parameters yet: its sizes are those of the first x, or of a weight in the dict, which has none for it" : i == 1 ? "1 unexpected" : i == 2 ? "0.weight is [8, 3, 3, 3] in the model, [8, 3, 3] in the file" : i == 3 ? "which has none for it of as many dimensions" : "which has none for it that is not empty");
        CHECK(tg_random_get(tg).call == random.call && tg_module_tensors(tg_module_at(m, "0")) == 0 && tg_parameter_count(m) == 0);
        TOO_EARLY(tg_state_dict(m));
        CHECK(tg_load_state_dict(m, d, NULL) && tg_parameters(m, NULL, 0) == 8);
        tg_module_free(m); tg_dict_free(less);
    }
    tg_dict_free(d);
    one = tg_nn_linear(tg, TG_NN_LAZY, 3);           /* by itself, and as a part under two names */
    m = tg_nn_list(tg);
    CHECK(tg_nn_named(m, "a", one) && tg_nn_named(m, "b", one));
    d = tg_dict_new(tg);
    CHECK(!tg_load_state_dict(one, d, NULL)); CHECK_SAYS(tg, TG_ERROR_VALUE, "load_state_dict: Linear has no parameters yet");
    for (i = 0; i < 4; i++) {
        sprintf(text, "%s.%s", i < 2 ? "a" : "b", i % 2 ? "bias" : "weight");
        CHECK(tg_dict_set(d, text, i % 2 ? tg_ones(tg, TG_SHAPE(3)) : tg_ones(tg, TG_SHAPE(3, 7))));
    }
    CHECK(tg_load_state_dict(m, d, NULL) && (t = tg_module_tensor_at(one, "weight")) != NULL && t->shape[1] == 7 && tg_item(tg_sum(t)) == 21);
    tg_dict_free(d);
    /* errors have the name of the function that was called */
    CHECK(!tg_load(m, "none/at/all", &report) && strncmp(tg_error_text(tg), "load: ", 6) == 0 && !report.loaded); tg_clear(tg);
    CHECK(!tg_load(m, NULL, NULL) && strncmp(tg_error_text(tg), "load: ", 6) == 0); tg_clear(tg);
    CHECK(!tg_load(m, path, NULL) && strncmp(tg_error_text(tg), "load: ", 6) == 0); tg_clear(tg);
    CHECK(!tg_save(m, "none/at/all") && strncmp(tg_error_text(tg), "save: ", 6) == 0); tg_clear(tg);
    CHECK(!tg_save(m, NULL) && strncmp(tg_error_text(tg), "save: ", 6) == 0); tg_clear(tg);
    CHECK(!tg_save(NULL, path) && !tg_load(NULL, path, NULL) && !tg_failed(tg));
    remove(path);
    tg_module_free(m); tg_module_free(told);
    CHECK_OK(tg);
}
/* A module called with other parameters: torch.func.functional_call. */
static tg_tensor *tied_forward(tg_module *m, tg_tensor *x) { return tg_forward(tg_module_part_of(m, 1), tg_forward(tg_module_part_of(m, 0), x)); }
static bool again(void *user, tg_tensor *const *in, int n_in, tg_tensor **out, int n_out) { (void)n_in; (void)n_out; return (out[0] = tg_forward((tg_module *)user, in[0])) != NULL; }
static tg_tensor *checkpoint_forward(tg_module *m, tg_tensor *x) {
    tg_function_call c = { again, NULL, NULL, 1, 1 };
    tg_tensor *y;
    c.user = tg_module_part_of(m, 0); c.inputs = &x;
    return tg_checkpoint(&c, &y) ? y : NULL;
}
static void test_functional(tg_ctx *tg) {
    tg_module *m = tg_nn_sequential(tg, tg_nn_linear(tg, 3, 4), tg_nn_batch_norm1d(tg, 4), tg_nn_tanh(tg), tg_nn_linear(tg, 4, 2)), *tied;
    tg_tensor *x = tg_randn(tg, TG_SHAPE(5, 3)), *own[8], *w[8], *g[8], *y, *z, *l, *first[8];
    const uint64_t was = test_hash_weights(m);
    int i, k;
    tg_train(m, false);
    CHECK_INT(tg_parameters(m, own, 8), 6);
    CHECK(equal(tg_functional_call(m, own, 6, &x, 1), tg_forward(m, x)));
    for (i = 0; i < 6; i++) w[i] = NULL;
    CHECK(equal(tg_functional_call(m, w, 6, &x, 1), tg_forward(m, x)));
    /* a step of descent, taken inside: the loss behind it by the parameters before it is what the same with linear and batch_norm gives, to second order */
    y = tg_sum(tg_square(tg_forward(m, x)));
    CHECK(tg_grad(&y, 1, own, 6, g, .create_graph = true));
    for (i = 0; i < 6; i++) w[i] = tg_sub(own[i], tg_mul_scalar(g[i], 0.1));
    l = tg_sum(tg_square(tg_functional_call(m, w, 6, &x, 1)));
    z = tg_batch_norm(tg_linear(x, w[0], w[1]), tg_module_tensor_at(m, "1.running_mean"), tg_module_tensor_at(m, "1.running_var"), w[2], w[3], false, 0.1, 1e-5);
    z = tg_sum(tg_square(tg_linear(tg_tanh(z), w[4], w[5])));
    CHECK(tg_item(l) == tg_item(z) && tg_item(l) < tg_item(y));
    for (k = 0; k < 2; k++) {
        tg_tensor *of = k ? z : l;
        CHECK(tg_backward(of, .retain_graph = true));
        for (i = 0; i < 6; i++) {
            if (k) CHECK(equal(first[i], tg_grad_of(own[i]))); else first[i] = tg_clone(tg_grad_of(own[i]));
            CHECK(tg_item(tg_sum(tg_abs(first[i]))) > 0);
            tg_zero_grad(own[i]);
        }
    }
    CHECK(test_hash_weights(m) == was && tg_parameters(m, w, 8) == 6 && w[0] == own[0] && w[5] == own[5] && equal(tg_forward(m, x), tg_functional_call(m, own, 6, &x, 1)));
    /* errors leave it as it was */
    for (i = 0; i < 6; i++) w[i] = own[i];
    CHECK(!tg_functional_call(m, w, 5, &x, 1)); CHECK_SAYS(tg, TG_ERROR_VALUE, "functional_call: Sequential has 6 parameters, got 5");
    w[1] = own[5];
    CHECK(!tg_functional_call(m, w, 6, &x, 1)); CHECK_SAYS(tg, TG_ERROR_SHAPE, "functional_call: parameter 1 is f32[4], got f32[2]");
    w[1] = tg_zeros(tg, TG_SHAPE(4)); y = tg_ones(tg, TG_SHAPE(5, 4));
    CHECK(!tg_functional_call(m, w, 6, &y, 1)); CHECK_SAYS(tg, TG_ERROR_SHAPE, "0: linear:");
    CHECK(!tg_functional_call(m, NULL, 6, &x, 1) && tg_failed(tg)); tg_clear(tg);
    CHECK(!tg_functional_call(m, own, 6, NULL, 1) && tg_failed(tg)); tg_clear(tg);
    CHECK(!tg_functional_call(NULL, own, 6, &x, 1) && !tg_failed(tg));
    CHECK(test_hash_weights(m) == was && tg_parameters(m, w, 8) == 6 && w[1] == own[1]);
    tg_module_free(m);
    /* one tensor in two places, and one layer with two names: one parameter */
    tied = (tg_module *)tg_module_new(tg, sizeof *tied, "tied", tied_forward);
    tg_nn_named(tied, "a", tg_nn_linear(tg, 3, 3)); tg_nn_named(tied, "b", tg_nn_linear(tg, 3, 3, .no_bias = true)); tg_nn_named(tied, "c", tg_module_part_of(tied, 0));
    CHECK(tg_module_set(tied, "b.weight", tg_module_tensor_at(tied, "a.weight")) && tg_parameters(tied, own, 8) == 2);
    w[0] = tg_require_grad(tg_randn(tg, TG_SHAPE(3, 3)), true); w[1] = tg_zeros(tg, TG_SHAPE(3));
    y = tg_functional_call(tied, w, 2, &x, 1);
    CHECK(equal(y, tg_linear(tg_linear(x, w[0], w[1]), w[0], NULL)) && tg_module_tensor_at(tied, "b.weight") == own[0] && tg_module_tensor_at(tied, "c.weight") == own[0]);
    tg_module_free(tied);
    /* what a checkpoint would run again by the module's own parameters */
    m = (tg_module *)tg_module_new(tg, sizeof *m, "checkpoint", checkpoint_forward);
    tg_nn_named(m, "a", tg_nn_linear(tg, 3, 3, .no_bias = true));
    x = tg_require_grad(tg_randn(tg, TG_SHAPE(5, 3)), true);
    for (i = 0; i < 2; i++) {
        y = tg_sum(tg_square(i ? tg_linear(x, w[0], NULL) : tg_functional_call(m, w, 1, &x, 1)));
        CHECK(tg_grad(&y, 1, w, 1, &first[i], .retain_graph = true) && tg_grad(&y, 1, &x, 1, &g[i]));
    }
    CHECK(equal(first[0], first[1]) && equal(g[0], g[1]));
    tg_module_free(m);
    CHECK_OK(tg);
}
static void test_cross_map(tg_ctx *tg) {
    static const struct { int size; float y[7]; } torch[] = {                         /* torch 2: alpha 0.3, beta 0.75, k 1.5 */
        { 1, { 0.182737f, 0.638514f, -0.638514f, -0.181063f, 0.352497f, 0.746758f, -0.506557f } }, { 2, { 0.183587f, 0.683977f, -0.683977f, -0.182737f, 0.360478f, 0.823753f, -0.528745f } },
        { 3, { 0.175219f, 0.669835f, -0.668001f, -0.172705f, 0.336770f, 0.823753f, -0.499634f } }, { 4, { 0.177424f, 0.685430f, -0.683977f, -0.175475f, 0.344178f, 0.846025f, -0.511899f } },
        { 5, { 0.173800f, 0.694000f, -0.689241f, -0.165284f, 0.334367f, 0.858612f, -0.516047f } }, { 9, { 0.177468f, 0.692803f, -0.686890f, -0.171722f, 0.343445f, 0.858612f, -0.523113f } } };
    float v[28];
    int i;
    for (i = 0; i < 28; i++) v[i] = (float)(i * 7 % 11 - 5) / 4;
    for (i = 0; i < 6; i++) {
        tg_module *m = tg_nn_cross_map_lrn2d(tg, torch[i].size, 0.3, 0.75, 1.5);
        tg_tensor *y = tg_forward(m, tg_from_f32(tg, TG_SHAPE(2, 7, 1, 2), v));
        CHECK(tg_allclose(tg_select(tg_select(tg_select(y, 0, 1), 1, 0), 1, 1), tg_from_f32(tg, TG_SHAPE(7), torch[i].y), 1e-5, 1e-6));
        tg_module_free(m);
    }
    CHECK_OK(tg);
}
static void test_initialisers(tg_ctx *tg) {
    tg_tensor *t = tg_trunc_normal_(tg_empty(tg, TG_SHAPE(100, 200), TG_F32), 1, 2, -1, 2), *q;
    CHECK_NEAR(tg_item(tg_mean(t)), 0.5896, 0.03);                     /* 1 + 2 (phi(-1) - phi(0.5)) / (Phi(0.5) - Phi(-1)) */
    CHECK(tg_item(tg_min(t)) >= -1 && tg_item(tg_max(t)) <= 2 && tg_item(tg_max(t)) > 1.99);
    CHECK(!tg_trunc_normal_(t, 0, 1, 2, 1) && !tg_trunc_normal_(NULL, 0, 1, -1, 1));
    tg_clear(tg);
    q = tg_flatten(tg_orthogonal_(tg_empty(tg, TG_SHAPE(3, 2, 4), TG_F32), 2), 1, -1);
    CHECK(tg_allclose(tg_matmul(q, tg_t(q)), tg_mul_scalar(tg_eye_(tg_empty(tg, TG_SHAPE(3, 3), TG_F32)), 4), 1e-6, 1e-6));
    q = tg_detach(tg_orthogonal_(tg_require_grad(tg_empty(tg, TG_SHAPE(8, 3), TG_F64), true), 1));
    CHECK(tg_allclose(tg_matmul(tg_t(q), q), tg_to(tg_eye_(tg_empty(tg, TG_SHAPE(3, 3), TG_F32)), TG_F64), 1e-14, 1e-14));
    q = tg_sparse_(tg_empty(tg, TG_SHAPE(10, 4), TG_F32), 0.35, 0.1);
    CHECK(tg_item(tg_sum(tg_to(tg_eq_scalar(q, 0), TG_F32))) == 16 && tg_item(tg_max(tg_sum_dims(tg_to(tg_eq_scalar(q, 0), TG_F32), TG_DIMS(0), false))) == 4);
    CHECK(!tg_orthogonal_(tg_ones(tg, TG_SHAPE(3)), 1));
    tg_clear(tg);
    CHECK(!tg_sparse_(q, 1.5, 1));
    tg_clear(tg);
}
/* A module that nobody wanted, and then somebody did; numbers that a module cannot hold; weights that are computed. */
static void test_owners_and_numbers(tg_ctx *tg) {
    static const unsigned char f8[4] = { 0x38, 0x38, 0x38, 0x38 };                    /* 1.0 in F8_E4M3 */
    int64_t shape[2] = { 2, 2 };
    tg_load_report report;
    tg_dict *d;
    tg_mark m = tg_begin(tg);
    tg_module *l = tg_nn_linear(tg, 2, 2, .no_bias = true), *s;
    CHECK(!tg_module_part(NULL, NULL, "x", -1, l));
    s = tg_nn_sequential(tg, l);
    tg_clear(tg);                                                                      /* frees what has no owner: l has one */
    CHECK(tg_forward(s, tg_ones(tg, TG_SHAPE(1, 2))) != NULL);

    d = tg_dict_new(tg);
    CHECK(tg_dict_set_raw(d, "0.weight", "F8_E4M3", 2, shape, tg_from(tg, TG_SHAPE(4), TG_U8, f8)));
    CHECK(tg_load_state_dict(s, d, &report) && report.misshapen == 1 && report.loaded == 0);
    CHECK(!tg_load_state_dict(s, d, NULL) && tg_failed(tg));
    tg_clear(tg);
    tg_dict_free(d);

    CHECK(tg_weight_norm(l, "weight"));
    d = tg_state_dict(s);
    CHECK(tg_load_state_dict(s, d, NULL));
    tg_dict_set(d, "0.weight", tg_ones(tg, TG_SHAPE(2, 2)));
    CHECK(!tg_load_state_dict(s, d, NULL) && strstr(tg_error_text(tg), "unexpected: 0.weight"));
    tg_clear(tg);
    tg_dict_free(d);
    tg_module_free(s);

    s = tg_nn_multihead_attention(tg, 4, 1);                                           /* reads its out_proj's weight itself */
    CHECK(tg_weight_norm(tg_module_at(s, "out_proj"), "weight"));
    for (int i = 0; i < 3; i++) {
        tg_mark k = tg_begin(tg);
        tg_tensor *g = tg_module_tensor_at(s, "out_proj.parametrizations.weight.original0"), *y;
        bool was;
        y = tg_sum(tg_square(tg_forward(s, tg_ones(tg, TG_SHAPE(3, 1, 4)))));
        CHECK(tg_backward(y));
        CHECK((tg_item(y) == 0) == (i == 2));                                          /* the last time with a length of nothing */
        was = tg_grad_mode(tg, false);
        if (i == 1) (void)tg_zero_(g);
        (void)tg_grad_mode(tg, was);
        tg_end(tg, k);
    }
    tg_module_free(s);
    CHECK(!tg_failed(tg));
    tg_end(tg, m);
}

/* Hooks that take themselves away, that give others, and that take others away, while they run. */
typedef struct visits { char order[64]; int n; } visits;
static void seen_as(void *user, char name) { visits *v = (visits *)user; if (v->n < 63) v->order[v->n++] = name; }
static tg_tensor *hook_seen(void *user, tg_module *m, tg_tensor *x, tg_tensor *y) { (void)m; (void)x; (void)y; seen_as(user, 's'); return NULL; }
static tg_tensor *hook_once(void *user, tg_module *m, tg_tensor *x, tg_tensor *y) { (void)x; (void)y; seen_as(user, 'o'); CHECK(tg_module_unhook(m, hook_once, user)); return NULL; }
static tg_tensor *hook_more(void *user, tg_module *m, tg_tensor *x, tg_tensor *y) { (void)x; (void)y; seen_as(user, 'm'); CHECK(((visits *)user)->n > 40 || tg_module_hook(m, hook_more, user)); return NULL; }
static tg_tensor *hook_ends(void *user, tg_module *m, tg_tensor *x, tg_tensor *y) { (void)x; (void)y; seen_as(user, 'e'); while (tg_module_unhook(m, hook_seen, user)) { } return NULL; }
static void test_hooks(tg_ctx *tg) {
    tg_module *m = tg_nn_relu(tg);
    tg_tensor *x = tg_ones(tg, TG_SHAPE(2));
    visits v;
    memset(&v, 0, sizeof v);
    CHECK(tg_module_hook(m, hook_once, &v) && tg_module_hook(m, hook_seen, &v));          /* the one behind it is not passed over */
    CHECK(tg_forward(m, x) && strcmp(v.order, "os") == 0);
    CHECK(tg_forward(m, x) && strcmp(v.order, "oss") == 0);
    memset(&v, 0, sizeof v);
    CHECK(tg_module_hook(m, hook_more, &v) && tg_module_hook(m, hook_seen, &v));          /* what comes is called from the next call on */
    CHECK(tg_forward(m, x) && strcmp(v.order, "sms") == 0);
    CHECK(tg_forward(m, x) && strcmp(v.order, "smssmsm") == 0);
    memset(&v, 0, sizeof v);
    tg_module_free(m);
    m = tg_nn_relu(tg);
    CHECK(tg_module_hook(m, hook_seen, &v) && tg_module_hook(m, hook_ends, &v) && tg_module_hook(m, hook_seen, &v) && tg_module_hook(m, hook_once, &v));
    CHECK(tg_forward(m, x) && strcmp(v.order, "seo") == 0);
    tg_module_free(m);
}
/* Weights of blocks: a model of them is copied, shared, frozen, baked, and goes through files, to and from other types. */
static void test_blocks(tg_ctx *tg) {
    tg_module *m = tg_nn_sequential(tg, tg_nn_linear(tg, 64, 32), tg_nn_linear(tg, 32, 8)), *plain = tg_module_copy(m), *c;
    tg_tensor *list[4], *x = tg_randn(tg, TG_SHAPE(3, 64)), *w = tg_module_tensor_at(m, "0.weight"), *q = tg_to(tg_detach(w), TG_Q8_0), *y;
    tg_ctx *other = test_open();
    tg_load_report report;
    tg_dict *d, *f;
    CHECK(tg_module_set(m, "0.weight", q) && (y = tg_forward(m, x)) != NULL);
    tg_freeze(m, true); tg_freeze(m, false); CHECK_OK(tg);
    CHECK(tg_backward(tg_sum(y = tg_forward(m, x))) && tg_parameters(m, list, 4) == 4 && tg_clip_grad_norm_(list, 4, 1) > 0 && tg_clip_grad_value_(list, 4, 1) && tg_module_zero_grad(m) && !tg_has_grad(list[1]));
    SAYS(tg_spectral_norm(tg_module_at(m, "0"), "weight") ? x : NULL, "spectral_norm: operand 0, q8_0[32, 64], is block-quantised; tg_to a floating type first");
    CHECK(tg_module_tensor_at(m, "1.weight")->requires_grad && !q->requires_grad && tg_require_grad(tg_module_tensor_at(m, "0.bias"), false));
    c = tg_module_copy(m);
    CHECK_MSG(c && equal(tg_forward(c, x), y) && tg_module_tensor_at(c, "0.weight") != q && tg_module_tensor_at(c, "0.weight")->dtype == TG_Q8_0 && !tg_module_tensor_at(c, "0.bias")->requires_grad, "%s", tg_error_text(tg));
    CHECK(tg_module_to_device(c, TG_CPU) && tg_module_to(c, TG_F32));
    /* to blocks from blocks, from numbers and from integers; from blocks to numbers */
    d = tg_state_dict(m); f = tg_state_dict(plain);
    CHECK_MSG(tg_load_state_dict(plain, d, NULL), "%s", tg_error_text(tg));
    CHECK(equal(tg_module_tensor_at(plain, "0.weight"), tg_to(q, TG_F32)));
    CHECK_MSG(tg_load_state_dict(c, f, &report) && report.loaded == 4 && report.misshapen == 0, "%s", tg_error_text(tg));
    CHECK(tg_module_tensor_at(c, "0.weight")->dtype == TG_Q8_0 && equal(tg_forward(c, x), y));
    CHECK(tg_load_state_dict(c, d, NULL) && equal(tg_forward(c, x), y));
    CHECK(tg_dict_set(f, "0.weight", tg_full(tg, TG_SHAPE(32, 64), 3, TG_I32)) && tg_load_state_dict(c, f, NULL));
    CHECK(tg_allclose(tg_to(tg_module_tensor_at(c, "0.weight"), TG_F32), tg_full(tg, TG_SHAPE(32, 64), 3, TG_F32), 1e-2, 0));
    CHECK(tg_save(m, "build/nn_blocks.safetensors") && tg_load(c, "build/nn_blocks.safetensors", NULL) && equal(tg_forward(c, x), y));
    (void)remove("build/nn_blocks.safetensors");
    tg_dict_free(d); tg_dict_free(f);
    tg_module_free(c);
    CHECK_MSG(tg_bake(m, x) && equal(tg_forward(m, x), y), "%s", tg_error_text(tg));
    c = tg_module_share(other, m);
    CHECK_MSG(c && equal(tg_forward(c, tg_share(other, x)), tg_share(other, y)), "%s", tg_error_text(other));
    test_close(other);
    tg_module_free(m); tg_module_free(plain);
}
/* Two tensors of one path would be one entry of a file. */
static void test_one_name(tg_ctx *tg) {
    tg_module *m = tg_nn_list(tg);
    tg_dict *d;
    CHECK(tg_nn_named(m, "a", tg_nn_linear(tg, 2, 2)) && tg_nn_parameter(m, "a.scale", tg_ones(tg, TG_SHAPE(2))) && (d = tg_state_dict(m)) != NULL && tg_dict_count(d) == 3);
    tg_dict_free(d);
    CHECK(tg_nn_parameter(m, "a.bias", tg_ones(tg, TG_SHAPE(2))));
    SAYS(tg_state_dict(m), "state_dict: two tensors of the model are called a.bias");
    SAYS(tg_save(m, "build/nn_name.safetensors"), "save: two tensors of the model are called a.bias");
    tg_module_free(m);
}
/* What cannot be written is found out before anything is. */
static void test_load_frozen(tg_ctx *tg) {
    tg_module *m = tg_nn_linear(tg, 3, 3);
    tg_ctx *other = test_open();
    tg_tensor *was = tg_clone(tg_detach(tg_module_tensor_at(m, "weight")));
    tg_dict *d = tg_dict_new(tg);
    tg_load_report report;
    CHECK(tg_share(other, tg_module_tensor_at(m, "bias")) && tg_dict_set(d, "weight", tg_zeros(tg, TG_SHAPE(3, 3))) && tg_dict_set(d, "bias", tg_zeros(tg, TG_SHAPE(3))));
    CHECK(!tg_load_state_dict(m, d, NULL)); CHECK_ERROR(tg, TG_ERROR_FROZEN);
    CHECK(!tg_load_state_dict(m, d, &report)); CHECK_ERROR(tg, TG_ERROR_FROZEN);
    CHECK(equal(tg_module_tensor_at(m, "weight"), was));
    test_close(other);
    CHECK(tg_load_state_dict(m, d, &report) && report.loaded == 2 && !equal(tg_module_tensor_at(m, "weight"), was));
    tg_dict_free(d);
    tg_module_free(m);
}
int main(void) {
    tg_ctx *tg = test_open();
    test_owners_and_numbers(tg);
    test_names(tg);
    test_freed(tg);
    test_shared(tg);
    test_files(tg);
    test_sequences(tg);
    test_set(tg);
    test_training(tg);
    test_mistakes(tg);
    test_lost(tg);
    test_kept(tg);
    test_refusals(tg);
    test_operands(tg);
    test_later(tg);
    test_hooks(tg);
    test_blocks(tg);
    test_load_frozen(tg);
    test_one_name(tg);
    test_adaptive(tg);
    test_norms(tg);
    test_lazy(tg);
    test_lazy_files(tg);
    test_functional(tg);
    test_cross_map(tg);
    test_initialisers(tg);
    test_close(tg);
    test_memory();
    return test_end("nn");
}
