/* Tests of >>impl-nn: modules of one's own, names, paths in messages, files, types, copies, and what is left when something fails.
   cc -O1 tests/test_nn.c -o test_nn -pthread && ./test_nn */
#include "test.h"

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
    CHECK(!tg_forward(t, x) && strstr(tg_error_text(tg), "Transformer has no forward"));
    tg_clear(tg);
    tg_module_free(t);
    a = tg_nn_multihead_attention(tg, 8, 2, .add_bias_kv = true, .add_zero_attn = true, .kdim = 5, .vdim = 6);
    CHECK((y = tg_forward_attention(a, x, tg_randn(tg, TG_SHAPE(7, 5, 5)), tg_randn(tg, TG_SHAPE(7, 5, 6)), .weights = &h)) && tg__same_shape(y, x) && h->shape[2] == 9);
    CHECK(!tg_forward_attention(a, x, NULL, NULL) && !tg_forward_rnn(a, x));
    tg_clear(tg);
    tg_module_free(a);
    CHECK(!tg_nn_multihead_attention(tg, 8, 3) && strstr(tg_error_text(tg), "does not fall into 3 heads"));
    tg_clear(tg);
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
int main(void) {
    tg_ctx *tg = test_open();
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
    test_close(tg);
    test_memory();
    return test_end("nn");
}
