/* Tests of what >>impl-nn does for inference: modes in pairs, tg_bake, packed weights.
   cc -O1 tests/test_infer.c -o test_infer -pthread && ./test_infer   run.sh flags: -lpthread */
#include "test.h"
#include <math.h>
#include <pthread.h>

#ifndef TG__SLOTS
#error this test asks private fields, which needs the implementation in this file: run.sh sees to it
#endif

/* Statistics, weights and biases of all norms as after training: at first a norm does nothing. */
static void stir(tg_module *m) {
    tg_tensor *mean = tg_module_tensor_at(m, "running_mean"), *var = tg_module_tensor_at(m, "running_var"), *w = tg_module_tensor_at(m, "weight"), *b = tg_module_tensor_at(m, "bias");
    int64_t i;
    const bool was = tg_grad_mode(m->tg, false);
    if (mean && var) { tg_normal_(mean, 0, 1); tg_uniform_(var, 0.3, 2); }
    if (mean && w) { tg_uniform_(w, -2, 2); tg_normal_(b, 0, 1); }
    for (i = 0; i < tg_module_parts(m); i++) stir(tg_module_part_of(m, i));
    tg_grad_mode(m->tg, was);
}
static double apart(tg_tensor *y, tg_tensor *z) { return tg_item(tg_max(tg_abs(tg_sub(tg_detach(z), tg_detach(y))))) / tg_item(tg_max(tg_abs(tg_detach(y)))); }
static bool same(tg_tensor *y, tg_tensor *z) { return y && z && y->numel == z->numel && memcmp(y->data, z->data, (size_t)y->numel * tg_dtype_size(y->dtype)) == 0; }
static int norms_left(tg_module *m) {
    int64_t i;
    int n = tg_module_tensor_at(m, "running_mean") != NULL;
    for (i = 0; i < tg_module_parts(m); i++) n += norms_left(tg_module_part_of(m, i));
    return n;
}

static void test_modes(tg_ctx *tg) {
    tg_module *net = tg_nn_sequential(tg, tg_nn_linear(tg, 2, 3), tg_nn_dropout(tg, 0.5), tg_nn_batch_norm1d(tg, 3)), *norm = tg_module_at(net, "2");
    tg_tensor *x = tg_ones(tg, TG_SHAPE(4, 2));
    bool outer, inner;
    tg_train(norm, false);                                           /* a part in a mode of its own */
    outer = tg_infer_begin(net);
    CHECK(!net->training && !norm->training && !tg_module_at(net, "1")->training && !tg_forward(net, x)->requires_grad);
    inner = tg_infer_begin(net);
    CHECK(outer && !inner);
    tg_infer_end(net, inner);
    CHECK(!net->training && !tg_forward(net, x)->requires_grad);
    tg_infer_end(net, outer);
    CHECK(net->training && !norm->training && tg_module_at(net, "1")->training && tg_forward(net, x)->requires_grad);
    tg_infer_end(net, true);                                         /* one too many does nothing */
    CHECK(net->training && !norm->training);
    tg_infer_end(NULL, tg_infer_begin(NULL));
    tg_module_free(net);
}

/* Names in another order than the calls; a result that is used twice when asked to. */
typedef struct own { tg_module m; tg_module *after, *conv, *before, *last; bool also, twice, writes; } own;
static tg_tensor *own_forward(tg_module *m, tg_tensor *x) {
    own *o = (own *)(void *)m;
    tg_tensor *y = tg_forward(o->conv, tg_forward(o->before, x));
    if (o->writes) y = tg_relu_(y);
    if (o->twice) y = tg_forward(o->conv, y);
    return tg_forward(o->last, o->also ? tg_add(tg_forward(o->after, y), y) : tg_forward(o->after, y));
}
static own *own_new(tg_ctx *tg) {
    own *o = TG_MODULE(tg, own, own_forward);
    TG_PART(o, after, tg_nn_batch_norm2d(tg, 4));
    TG_PART(o, conv, tg_nn_conv2d(tg, 4, 4, 3, .no_bias = true, .padding = {1, 1}));
    TG_PART(o, before, tg_nn_batch_norm2d(tg, 4));
    TG_PART(o, last, tg_nn_conv2d(tg, 4, 4, 1));
    if (o) stir(TG_MODULE_OF(o));
    return o;
}
static void folds(tg_ctx *tg, tg_module *m, tg_tensor *x, int left) {
    tg_tensor *y, *z;
    tg_module *copy;
    tg_mark scope = tg_begin(tg);
    CHECK_OK(tg);
    stir(m);
    tg_train(m, false);
    y = tg_forward(m, x);
    CHECK_MSG(tg_bake(m, x), "%s", tg_error_text(tg));
    z = tg_forward(m, x);
    CHECK_MSG(y && z && apart(y, z) < 2e-5, "%g", y && z ? apart(y, z) : -1);
    CHECK_INT(norms_left(m), left);
    CHECK(z && !z->requires_grad && !m->training);
    copy = tg_module_copy(m);
    CHECK(copy && same(tg_forward(copy, x), z));
    tg_module_free(copy);
    tg_module_free(m);
    CHECK_OK(tg);
    tg_end(tg, scope);
}
static tg_tensor *passes(void *user, tg_module *m, tg_tensor *x, tg_tensor *y) { (void)user; (void)m; (void)x; return y; }
static void test_folds(tg_ctx *tg) {
    tg_tensor *x = tg_randn(tg, TG_SHAPE(3, 4, 9, 7)), *x1 = tg_randn(tg, TG_SHAPE(3, 4, 9)), *x3 = tg_randn(tg, TG_SHAPE(2, 4, 5, 4, 6)), *rows = tg_randn(tg, TG_SHAPE(6, 4));
    tg_module *m;
    own *o;
    folds(tg, tg_nn_sequential(tg, tg_nn_conv2d(tg, 4, 6, 3, .no_bias = true), tg_nn_batch_norm2d(tg, 6), tg_nn_relu(tg), tg_nn_conv2d(tg, 6, 4, 3, .groups = 2), tg_nn_batch_norm2d(tg, 4, .eps = TG_IS(0.1))), x, 0);
    folds(tg, tg_nn_sequential(tg, tg_nn_conv1d(tg, 4, 6, 3), tg_nn_batch_norm1d(tg, 6, .no_affine = true)), x1, 0);
    folds(tg, tg_nn_sequential(tg, tg_nn_conv3d(tg, 4, 3, 2), tg_nn_batch_norm3d(tg, 3)), x3, 0);
    folds(tg, tg_nn_sequential(tg, tg_nn_conv_transpose2d(tg, 4, 6, 3, .stride = {2, 2}), tg_nn_batch_norm2d(tg, 6)), x, 0);
    folds(tg, tg_nn_sequential(tg, tg_nn_linear(tg, 4, 6, .no_bias = true), tg_nn_batch_norm1d(tg, 6), tg_nn_tanh(tg), tg_nn_linear(tg, 6, 3), tg_nn_batch_norm1d(tg, 3)), rows, 0);
    folds(tg, TG_MODULE_OF(own_new(tg)), x, 1);                     /* the one in front has no layer */
    /* what is left as it is */
    folds(tg, tg_nn_sequential(tg, tg_nn_conv_transpose2d(tg, 4, 6, 3, .groups = 2), tg_nn_batch_norm2d(tg, 6)), x, 1);
    folds(tg, tg_nn_sequential(tg, tg_nn_conv2d(tg, 4, 6, 3), tg_nn_instance_norm2d(tg, 6, .running = true)), x, 1);
    folds(tg, tg_nn_sequential(tg, tg_nn_conv2d(tg, 4, 6, 3), tg_nn_batch_norm2d(tg, 6, .no_running = true)), x, 0);
    folds(tg, tg_nn_sequential(tg, tg_nn_conv2d(tg, 4, 6, 3), tg_nn_relu(tg), tg_nn_batch_norm2d(tg, 6)), x, 1);
    folds(tg, tg_nn_sequential(tg, tg_nn_linear(tg, 9, 9), tg_nn_batch_norm1d(tg, 4)), x1, 1);             /* its channels are another dimension */
    m = tg_nn_sequential(tg, tg_nn_conv2d(tg, 4, 6, 3), tg_nn_batch_norm2d(tg, 6));
    CHECK(tg_weight_norm(tg_module_at(m, "0"), "weight"));
    folds(tg, m, x, 1);
    m = tg_nn_sequential(tg, tg_nn_conv2d(tg, 4, 6, 3), tg_nn_batch_norm2d(tg, 6));
    CHECK(tg_module_hook(tg_module_at(m, "1"), passes, NULL));
    folds(tg, m, x, 1);
    o = own_new(tg); o->twice = true;
    folds(tg, TG_MODULE_OF(o), x, 2);
    o = own_new(tg); o->writes = true;
    folds(tg, TG_MODULE_OF(o), x, 2);
    m = tg_nn_sequential(tg, tg_nn_conv2d(tg, 4, 4, 3), tg_nn_batch_norm2d(tg, 4), tg_nn_conv2d(tg, 4, 4, 3));
    tg_nn_append(m, tg_module_at(m, "1"));                           /* one norm behind two layers; a path each */
    folds(tg, m, x, 2);
}
/* The names that are left, files, what is not x's error; and what was folded stays trainable. */
static void test_after(tg_ctx *tg) {
    tg_module *m = tg_nn_sequential(tg, tg_nn_conv2d(tg, 4, 6, 3, .no_bias = true), tg_nn_batch_norm2d(tg, 6)), *n, *copy = tg_module_copy(m);
    tg_tensor *x = tg_randn(tg, TG_SHAPE(2, 4, 5, 5)), *y;
    tg_dict *d, *old = tg_state_dict(copy);
    CHECK(tg_bake(m, x));
    d = tg_state_dict(m);
    CHECK_INT(tg_dict_count(d), 2);
    CHECK_TEXT(tg_dict_name(d, 1), "0.bias");
    CHECK_TEXT(tg_module_at(m, "1")->kind, "Identity");
    CHECK(!tg_load_state_dict(m, old, NULL) && tg_failed(tg));       /* a file of the model with norms says that it does not fit */
    tg_clear(tg);
    n = tg_nn_sequential(tg, tg_nn_conv2d(tg, 4, 6, 3), tg_nn_identity(tg));
    CHECK(tg_load_state_dict(n, d, NULL) && same(tg_forward(n, x), tg_forward(m, x)));
    tg_freeze(m, false);
    CHECK_INT(tg_parameters(m, NULL, 0), 2);
    y = tg_sum(tg_square(tg_forward(m, x)));
    CHECK(tg_backward(y) && tg_has_grad(tg_module_tensor_at(m, "0.bias")));
    CHECK_INT(tg_parameters(copy, NULL, 0), 3);
    CHECK(copy->training && tg_forward(copy, x)->requires_grad);
    CHECK(!tg_bake(NULL, NULL) && !tg_failed(tg));
    tg_dict_free(d); tg_dict_free(old);
    tg_module_free(m); tg_module_free(n); tg_module_free(copy);
    CHECK_OK(tg);
}
/* Activations that clamp become a convolution's last step: of products, of tiles, by fewer products, of depthwise ones; not while something
   is recorded, and not where their x is used elsewhere. */
static tg_tensor *twice_forward(tg_module *m, tg_tensor *x) {
    tg_tensor *y = tg_forward(tg_module_at(m, "layers.1"), tg_forward(tg_module_at(m, "layers.0"), x));
    return tg_add(y, tg_forward(tg_module_at(m, "layers.2"), y));
}
/* One activation behind two convolutions and before them, where x of the trial shows nothing of it; by itself, and where only it is without a graph. */
static tg_tensor *shared_forward(tg_module *m, tg_tensor *x) {
    int i;
    tg_module *act = tg_module_part_of(m, 0);
    x = tg_forward(act, x);
    for (i = 1; i < 3; i++) x = tg_forward(act, tg_forward(tg_module_part_of(m, i), x));
    return x;
}
static void test_shared_clamp(tg_ctx *tg) {
    const tg_mark scope = tg_begin(tg);
    tg_module *m = (tg_module *)tg_module_new(tg, sizeof *m, "shared", shared_forward), *was_it, *act;
    tg_tensor *x = tg_rand(tg, TG_SHAPE(2, 4, 6, 6)), *y;
    bool was, was2;
    int i;
    act = tg_nn_named(m, "act", tg_nn_relu(tg)) ? tg_module_part_of(m, 0) : NULL;
    for (i = 0; i < 2; i++) tg_nn_named(m, i ? "b" : "a", tg_nn_sequential(tg, tg_nn_conv2d(tg, 4, 4, 3), tg_nn_batch_norm2d(tg, 4)));
    tg_train(m, false);
    was_it = tg_module_copy(m);
    CHECK(tg_bake(m, x));
    x = tg_randn(tg, TG_SHAPE(2, 4, 6, 6));
    was = tg_infer_begin(m); was2 = tg_infer_begin(was_it);
    CHECK(tg_allclose(tg_forward(m, x), tg_forward(was_it, x), 1e-4, 1e-4));
    y = tg_forward(tg_module_part_of(m, 1), x);
    CHECK(tg_equal(tg_forward(act, y), y) && tg_equal(y, tg_relu(y)) && !tg_equal(tg_forward(act, x), x));
    tg_infer_end(was_it, was2); tg_infer_end(m, was);
    y = tg_forward(tg_module_part_of(m, 1), x);
    was = tg_grad_mode(tg, false);
    CHECK(!tg_equal(y, tg_relu(y)) && tg_equal(tg_forward(act, y), tg_relu(y)));
    (void)tg_grad_mode(tg, was);
    tg_module_free(m); tg_module_free(was_it);
    m = tg_nn_sequential(tg, tg_nn_conv2d(tg, 4, 4, 3), tg_nn_batch_norm2d(tg, 4), tg_nn_relu(tg), tg_nn_batch_norm2d(tg, 4));
    for (i = 0; i < 5; i++) (void)tg_forward(m, x);
    CHECK(tg_bake(m, x) && tg_bake(m, x));                                             /* the second norm is not that of the convolution */
    tg_module_free(m);
    /* Who lets go of what parts hand on: so do copies, but none that holds what is another's part, which may get a hook there */
    act = tg_nn_sequential(tg, tg_nn_linear(tg, 4, 4));
    m = tg_nn_sequential(tg, act, tg_nn_relu(tg));
    was_it = tg_nn_sequential(tg, act, tg_nn_tanh(tg));
    CHECK(tg_bake(m, NULL) && tg_bake(was_it, NULL) && m->own->tidy && act->own->tidy && !was_it->own->tidy);
    tg_module_free(was_it);
    was_it = tg_module_copy(m);
    CHECK(was_it->own->tidy && tg_module_part_of(was_it, 0)->own->tidy);
    tg_module_free(was_it);
    CHECK(tg_module_hook(tg_module_at(m, "0.0"), passes, NULL) && !m->own->tidy && !act->own->tidy);
    was_it = tg_module_copy(m);
    CHECK(!was_it->own->tidy && tg_bake(was_it, NULL) && !was_it->own->tidy);
    tg_module_free(was_it); tg_module_free(m);
    m = (tg_module *)tg_module_new(tg, sizeof *m, "often", shared_forward);
    was_it = tg_module_copy(m);
    CHECK(m->own->custom && was_it->own->custom);
    tg_module_free(was_it); tg_module_free(m);
    m = tg_nn_linear(tg, TG_NN_LAZY, 2);
    CHECK(!tg_bake(m, NULL));
    CHECK_ERROR(tg, TG_ERROR_VALUE);
    tg_module_free(m);
    tg_end(tg, scope);
}
static void test_clamps(tg_ctx *tg) {
    static const int64_t kernel[4] = { 1, 3, 3, 3 }, groups[4] = { 1, 1, 1, 40 }, channels[4] = { 40, 7, 40, 40 };
    int i, k;
    for (i = 0; i < 12; i++) {
        tg_mark scope = tg_begin(tg);
        const int64_t c = channels[i % 4];
        tg_module *act = i < 4 ? tg_nn_relu(tg) : i < 8 ? tg_nn_relu6(tg) : tg_nn_hardtanh(tg, -0.5, 0.25);
        tg_module *m = tg_nn_sequential(tg, tg_nn_conv2d(tg, c, 40, kernel[i % 4], .groups = groups[i % 4], .padding = {1, 1}), tg_nn_batch_norm2d(tg, 40), act);
        tg_tensor *x = tg_mul_scalar(tg_randn(tg, TG_SHAPE(2, c, 9, 9)), 6), *y, *z, *g, *h;
        bool was;
        tg_train(m, false);
        y = tg_forward(m, x);
        CHECK(tg_bake(m, x) && tg_module_at(m, "2") == act);
        was = tg_infer_begin(m);
        CHECK(tg_allclose(z = tg_forward(m, x), y, 1e-4, 1e-4));
        CHECK(tg_equal(tg_forward(tg_module_at(m, "0"), x), z));                       /* that layer does it all */
        tg_infer_end(m, was);
        x = tg_require_grad(tg_clone(x), true);
        y = tg_forward(m, x);
        CHECK(tg_allclose(y, z, 1e-4, 1e-4) && !tg_allclose(tg_forward(tg_module_at(m, "0"), x), z, 1e-4, 1e-4));
        h = tg_clamp(tg_forward(tg_module_at(m, "0"), x), i < 8 ? 0 : -0.5, i < 4 ? 1e30 : i < 8 ? 6 : 0.25);
        y = tg_sum(y); h = tg_sum(h);
        CHECK(tg_grad(&y, 1, &x, 1, &g) && tg_grad(&h, 1, &x, 1, &z) && tg_allclose(g, z, 1e-4, 1e-4));
        tg_module_free(m);
        tg_end(tg, scope);
    }
    for (k = 0; k < 2; k++) {
        tg_mark scope = tg_begin(tg);
        tg_module *m = (tg_module *)tg_module_new(tg, sizeof *m, "twice", twice_forward), *copy;
        tg_tensor *x = tg_randn(tg, TG_SHAPE(2, 4, 6, 6)), *y;
        bool was;
        tg_nn_named(m, "layers", tg_nn_sequential(tg, tg_nn_conv2d(tg, 4, 6, 3), tg_nn_batch_norm2d(tg, 6), k ? tg_nn_hardtanh(tg, -1e3, 1e3) : tg_nn_relu(tg)));
        tg_train(m, false);
        y = tg_forward(m, x);
        CHECK(tg_bake(m, x));
        copy = tg_module_copy(m);
        was = tg_infer_begin(copy);
        CHECK(tg_allclose(tg_forward(copy, x), y, 1e-4, 1e-4));
        x = tg_mul_scalar(x, k ? 1e4 : 1);
        CHECK(!tg_equal(tg_forward(tg_module_at(copy, "layers.0"), x), tg_forward(tg_module_at(copy, "layers"), x)));
        tg_infer_end(copy, was);
        tg_module_free(m); tg_module_free(copy);
        tg_end(tg, scope);
    }
    test_shared_clamp(tg);
    CHECK_OK(tg);
}
/* Who else uses what a norm or a clamp is to go into. The norms are new: they do nothing, so that no result tells a wrong fold from none. */
enum { ALONE, ADDED, MOST, PLACES, VIEWED, DETACHED, KEPT, PRINTED, RETURNED, WRITTEN, COPIED, READ, COUNTED, WEIGHT, BIAS, MEAN, HOOKED, TWICE, OUT_OF_NORM, USES };
typedef struct used { tg_module m; tg_module *conv, *norm, *inner; int use; tg_tensor *kept; } used;
static tg_tensor *inner_forward(tg_module *m, tg_tensor *x) { return tg_forward(((used *)(void *)m->parent)->conv, x); }
static tg_tensor *used_forward(tg_module *m, tg_tensor *x) {
    used *u = (used *)(void *)m;
    const tg_mark scope = tg_begin(m->tg);
    tg_tensor *y = tg_forward(u->inner, tg_dropout(x, 0.5, m->training)), *z, *more = NULL;
    char text[64];
    float number;
    switch (u->use) {
        case ADDED: more = y; break;
        case MOST: more = tg_max(y); break;
        case PLACES: more = tg_mul_scalar(tg_argmax(y), 0); break;
        case VIEWED: more = tg_narrow(y, 1, 0, 1); break;
        case DETACHED: more = tg_detach(y); break;
        case KEPT: u->kept = tg_keep(y); break;
        case PRINTED: (void)tg_format(y, text, sizeof text); break;
        case WRITTEN: y = tg_mul_scalar_(y, 2); break;
        case COPIED: y = tg_clone(y); break;
        case READ: tg_read_f32(tg_select(tg_flatten(y, 0, -1), 0, 0), &number, 1); break;
        case COUNTED: more = tg_gt_scalar(y, 0); break;
        case WEIGHT: more = tg_sum(tg_module_tensor_at(u->conv, "weight")); break;
        case BIAS: more = tg_sum(tg_module_tensor_at(u->conv, "bias")); break;
        case MEAN: more = tg_sum(tg_module_tensor_at(u->norm, "running_mean")); break;
        case TWICE: (void)tg_forward(u->norm, y); break;
        default: break;
    }
    z = tg_forward(u->norm, tg_to(tg_dropout(y, 0.5, m->training), TG_F32));
    if (u->use == OUT_OF_NORM) (void)tg_forward(u->norm, x);
    if (u->use == RETURNED) z = y;
    else if (more) z = tg_add(z, tg_to(more, TG_F32));
    return tg_end_with(m->tg, scope, z);
}
static void test_uses(tg_ctx *tg) {
    int use;
    for (use = ALONE; use < USES; use++) {
        const tg_mark scope = tg_begin(tg);
        used *u = TG_MODULE(tg, used, used_forward);
        tg_module *m = TG_MODULE_OF(u);
        tg_tensor *x = tg_randn(tg, TG_SHAPE(2, 4, 6, 6)), *y;
        tg_random_state random;
        bool was;
        TG_PART(u, conv, tg_nn_conv2d(tg, 4, 4, 3, .padding = {1, 1}));
        TG_PART(u, norm, tg_nn_batch_norm2d(tg, 4));
        TG_PART(u, inner, (tg_module *)tg_module_new(tg, sizeof(tg_module), "inner", inner_forward));
        if (use == HOOKED) CHECK(tg_module_hook(u->inner, passes, NULL));
        u->use = use;
        was = tg_infer_begin(m);
        y = tg_forward(m, x);
        tg_infer_end(m, was);
        if (use == KEPT) tg_drop(u->kept);
        random = tg_random_get(tg);
        CHECK_MSG(tg_bake(m, x), "use %d: %s", use, tg_error_text(tg));
        if (use == KEPT) tg_drop(u->kept);
        CHECK_MSG(norms_left(m) == (use != ALONE), "use %d: %d norms are left", use, norms_left(m));
        tg_random_set(tg, random);
        CHECK_MSG(use == ALONE ? apart(y, tg_forward(m, x)) < 1e-4 : same(y, tg_forward(m, x)), "use %d", use);
        if (use == KEPT) tg_drop(u->kept);
        tg_module_free(m);
        tg_end(tg, scope);
        CHECK_OK(tg);
    }
}
/* What may follow a convolution, or its norm: who clamps it alone makes it clamp. */
typedef struct clamped { tg_module m; tg_module *conv, *norm; int how; } clamped;
enum { FUNCTION, IN_PLACE, SIX, HARD, BOUNDS, AGAIN, THEN_USED, WRITTEN_TO, ONCE_MORE, C_LAST, C_BOTH = C_LAST, C_BOTH_WRITTEN, C_BOTH_WAYS, C_FIRST_USED, C_OTHER, C_ADDED, C_BOTH_DIFFER, C_ONE_OF_TWO, C_LEAKY, C_ALL };
static tg_tensor *clamped_forward(tg_module *m, tg_tensor *x) {
    clamped *c = (clamped *)(void *)m;
    tg_tensor *y = tg_forward(c->conv, x);
    if (c->norm) y = tg_forward(c->norm, y);
    switch (c->how) {
        case IN_PLACE: return tg_relu_(y);
        case SIX: return tg_relu6(y);
        case HARD: return tg_hardtanh(y, -0.5, 0.25);
        case BOUNDS: return tg_clamp(y, -0.25, HUGE_VAL);
        case WRITTEN_TO: y = tg_relu(y); return tg_add_(y, x);
        case ONCE_MORE: y = tg_relu(y); return tg_sub(tg_add_scalar_(tg_relu(y), 3), y);      /* the second one's result is not y */
        case C_BOTH: return tg_add(tg_relu(y), tg_relu(y));
        case C_BOTH_WRITTEN: x = tg_add_scalar_(tg_relu(y), 3); return tg_sub(x, tg_relu(y));      /* the first result is y's own from the second one on */
        case C_BOTH_WAYS: x = tg_clamp(y, 0, HUGE_VAL); return tg_add(x, tg_relu_(y));
        case AGAIN: y = tg_forward(c->conv, tg_relu(y)); return tg_relu(c->norm ? tg_forward(c->norm, y) : y);
        case THEN_USED: y = tg_relu_(y); return tg_add(y, tg_sum(y));
        case C_FIRST_USED: x = tg_sum(y); return tg_add(tg_relu_(y), x);
        case C_OTHER: return tg_sigmoid(y);
        case C_ADDED: return tg_relu(tg_add(y, x));
        case C_BOTH_DIFFER: return tg_add(tg_relu(y), tg_relu6(y));
        case C_ONE_OF_TWO: y = tg_forward(c->conv, tg_relu(y)); return tg_tanh(c->norm ? tg_forward(c->norm, y) : y);
        case C_LEAKY: return tg_clamp(y, 1, -1);
        default: return tg_relu(y);
    }
}
static void test_functions(tg_ctx *tg) {
    int i;
    for (i = 0; i < 4 * C_ALL; i++) {
        const tg_mark scope = tg_begin(tg);
        clamped *c = TG_MODULE(tg, clamped, clamped_forward);
        tg_module *m = TG_MODULE_OF(c);
        tg_tensor *x = tg_rand(tg, TG_SHAPE(2, 4, 6, 6)), *y, *z, *more;
        bool was;
        const bool bias = i / C_ALL & 1, norm = i / C_ALL & 2, clamps = i % C_ALL < C_LAST && (bias || norm);
        TG_PART(c, conv, tg_nn_conv2d(tg, 4, 4, 3, .padding = {1, 1}, .no_bias = !bias));
        if (norm) TG_PART(c, norm, tg_nn_batch_norm2d(tg, 4));
        c->how = i % C_ALL;
        more = tg_mul_scalar(tg_randn(tg, TG_SHAPE(2, 4, 6, 6)), 20);
        was = tg_infer_begin(m);
        y = tg_forward(m, more);
        tg_infer_end(m, was);
        x = tg_zeros_like(x);                                            /* shows nothing by its numbers */
        CHECK_MSG(tg_bake(m, x), "%d: %s", i, tg_error_text(tg));
        CHECK_INT(norms_left(m), 0);
        was = tg_infer_begin(m);
        CHECK_MSG(tg_allclose(tg_forward(m, more), y, 1e-4, 1e-4), "%d", i);
        z = tg_forward(c->conv, more);
        CHECK_MSG((z->clamped != 0) == clamps, "%d: clamped %d", i, z->clamped);
        if (clamps) {                                                   /* the same operand comes back from what does not change it, and from nothing else */
            const bool relu = c->how != HARD && c->how != BOUNDS;
            int k;
            CHECK(tg_tanh(z) != z && tg_neg(z) != z && tg_mul(z, z) != z && tg_clamp(z, -0.5, HUGE_VAL) == z && tg_clamp(z, -0.5, HUGE_VAL) != z);      /* once */
            for (k = 0; k < 3; k++) {
                z = tg_forward(c->conv, more);
                CHECK(((k == 0 ? tg_relu(z) : k == 1 ? tg_relu6(z) : tg_clamp(z, -0.5, 0.25)) == z) == (k == 0 ? relu : c->how == (k == 1 ? SIX : HARD)));
            }
            z = tg_forward(c->conv, more);
            CHECK(relu ? tg_equal(z, tg_relu(tg_clone(z))) : c->how == HARD ? tg_equal(z, tg_clamp(tg_clone(z), -0.5, 0.25)) : tg_equal(z, tg_clamp(tg_clone(z), -0.25, HUGE_VAL)));
            z = tg_sub_scalar_(z, 1);                                   /* it was so, but is no more */
            CHECK(tg_relu(z) != z && tg_item(tg_min(tg_relu(z))) >= 0);
            z = tg_require_grad(tg_forward(c->conv, more), true);       /* a leaf from now on */
            (void)tg_grad_mode(tg, true);
            CHECK(tg_relu(z) != z);
            (void)tg_grad_mode(tg, false);
        }
        tg_infer_end(m, was);
        CHECK_MSG(tg_allclose(tg_forward(m, more), y, 1e-4, 1e-4), "%d", i);
        tg_module_free(m);
        tg_end(tg, scope);
        CHECK_OK(tg);
    }
}
/* A layer and its norm that are called three times, together each time; a model that draws numbers; x without elements; a lazy one; more clamps than a context tells apart. */
static tg_tensor *often_forward(tg_module *m, tg_tensor *x) {
    int i;
    for (i = 0; i < 3; i++) x = tg_relu(tg_forward(tg_module_part_of(m, 1), tg_forward(tg_module_part_of(m, 0), x)));
    return tg_add(x, tg_rand_like(x));
}
static void test_often(tg_ctx *tg) {
    const tg_mark scope = tg_begin(tg);
    tg_module *m = (tg_module *)tg_module_new(tg, sizeof *m, "often", often_forward);
    tg_tensor *x = tg_randn(tg, TG_SHAPE(2, 4, 6, 6)), *y, *z;
    tg_random_state random;
    int i, had;
    tg_nn_named(m, "conv", tg_nn_conv2d(tg, TG_NN_LAZY, 4, 3, .padding = {1, 1}));
    tg_nn_named(m, "norm", tg_nn_batch_norm2d(tg, TG_NN_LAZY));
    CHECK(tg_bake(m, tg_zeros(tg, TG_SHAPE(0, 4, 6, 6))));               /* nothing is known before, and nothing shown by numbers */
    CHECK_INT(norms_left(m), 0);
    CHECK_INT(tg_parameters(m, NULL, 0), 2);
    y = tg_forward(m, x);
    CHECK(y && !y->requires_grad);
    tg_module_free(m);
    m = (tg_module *)tg_module_new(tg, sizeof *m, "often", often_forward);
    tg_nn_named(m, "conv", tg_nn_conv2d(tg, 4, 4, 3, .padding = {1, 1}, .no_bias = true));
    tg_nn_named(m, "norm", tg_nn_batch_norm2d(tg, 4));
    stir(m);
    tg_train(m, false);
    random = tg_random_get(tg);
    y = tg_forward(m, x);
    CHECK(tg_bake(m, x));
    CHECK_INT(norms_left(m), 0);
    tg_random_set(tg, random);
    CHECK(apart(y, tg_forward(m, x)) < 1e-4);
    tg_random_set(tg, random);
    (void)tg_grad_mode(tg, false);
    CHECK(apart(y, tg_forward(m, x)) < 1e-4 && tg_forward(tg_module_part_of(m, 0), x)->clamped);
    tg_module_free(m);
    for (had = 0, i = 0; i < 12; i++) {                                        /* a context has room for eight: the others stay what they are */
        m = tg_nn_sequential(tg, tg_nn_conv2d(tg, 4, 4, 3), tg_nn_hardtanh(tg, -0.05 * (i + 2), 0.1));
        y = tg_forward(m, x);
        CHECK(tg_bake(m, x) && tg_allclose(tg_forward(m, x), y, 1e-5, 1e-6));
        z = tg_forward(tg_module_part_of(m, 0), x);
        if (z->clamped) CHECK(tg_equal(z, tg_forward(m, x)) && had == i);
        had += z->clamped != 0;
        tg_module_free(m);
    }
    CHECK(had > 0 && had < 8);                                                 /* one is above's */
    (void)tg_grad_mode(tg, true);
    tg_end(tg, scope);
    CHECK_OK(tg);
}
/* A call that fails: an error, and all is as it was. Pairs that are no pairs stay. */
static void test_refused(tg_ctx *tg) {
    own *o = own_new(tg);
    tg_module *m = TG_MODULE_OF(o);
    tg_tensor *x = tg_randn(tg, TG_SHAPE(2, 4, 6, 6)), *w = tg_module_tensor_at(m, "conv.weight"), *y;
    bool was;
    o->also = true;
    was = tg_infer_begin(m);
    y = tg_forward(m, x);
    tg_infer_end(m, was);
    CHECK(!tg_bake(m, tg_ones(tg, TG_SHAPE(2, 3, 6, 6))) && tg_failed(tg));
    tg_clear(tg);
    CHECK(m->training && o->after->training && tg_module_tensor_at(m, "conv.weight") == w && w->requires_grad && !tg_module_tensor_at(m, "conv.bias"));
    CHECK_INT(norms_left(m), 2);
    was = tg_infer_begin(m);
    CHECK(same(y, tg_forward(m, x)));
    tg_infer_end(m, was);
    was = tg_infer_begin(m);                                             /* a copy's modes are those that come back */
    { tg_module *copy = tg_module_copy(m); CHECK(copy && copy->training && !m->training); tg_module_free(copy); }
    tg_infer_end(m, was);
    CHECK(tg_bake(m, NULL) && !m->training && !w->requires_grad && same(y, tg_forward(m, x)));        /* nothing folded */
    CHECK_INT(norms_left(m), 2);
    CHECK(tg_bake(m, x) && same(y, tg_forward(m, x)) && tg_module_tensor_at(m, "conv.weight") == w);
    CHECK_INT(norms_left(m), 2);
    tg_module_free(m);
    CHECK_OK(tg);
}

/* ---- packed weights ---- */
static size_t packed(tg_ctx *tg) { return tg_memory(tg).packed; }
/* the same bits with and without, the second call asks the host for nothing */
static void keeps(tg_ctx *tg, tg_module *m, tg_tensor *x, bool kept) {
    tg_mark scope = tg_begin(tg);
    tg_tensor *y;
    uint64_t calls;
    int i;
    tg_freeze(m, true);
    y = tg_forward(m, x);
    CHECK_INT(packed(tg), 0);
    tg_keep_packed(m, true);
    CHECK(same(y, tg_forward(m, x)));
    CHECK((packed(tg) > 0) == kept);
    CHECK(same(y, tg_forward(m, x)));
    for (i = 0; i < 600; i++) {                                      /* headers of ended tensors wait for their turn */
        tg_mark s = tg_begin(tg);
        (void)(i % 300 ? tg_zeros(tg, TG_SHAPE(1)) : tg_forward(m, x));
        tg_end(tg, s);
    }
    calls = tg_memory(tg).host_calls;
    for (i = 0; i < 3; i++) { tg_mark s = tg_begin(tg); CHECK(same(y, tg_forward(m, x))); tg_end(tg, s); }
    CHECK_INT(tg_memory(tg).host_calls, calls);
    tg_trim(tg);
    CHECK_INT(packed(tg), 0);
    CHECK(same(y, tg_forward(m, x)) && (packed(tg) > 0) == kept);
    tg_keep_packed(m, false);
    CHECK_INT(packed(tg), 0);
    CHECK(same(y, tg_forward(m, x)));
    CHECK_INT(packed(tg), 0);
    tg_keep_packed(m, true);
    (void)tg_forward(m, x);
    tg_module_free(m);
    tg_end(tg, scope);
    CHECK_INT(packed(tg), 0);
    CHECK_OK(tg);
}
static void test_kept(tg_ctx *tg) {
    static const struct { int64_t m, k, n; bool kept; } sizes[] = {
        { 4, 70, 33, true }, { 40, 30, 17, true }, { 96, 784, 256, true }, { 64, 1030, 520, true }, { 8, 2100, 1030, true }, { 200, 700, 530, true }, { 1, 300, 200, false }, { 3, 0, 5, false } };
    size_t i;
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) keeps(tg, tg_nn_linear(tg, sizes[i].k, sizes[i].n), tg_randn(tg, TG_SHAPE(sizes[i].m, sizes[i].k)), sizes[i].kept);
    keeps(tg, tg_nn_sequential(tg, tg_nn_linear(tg, 50, 40), tg_nn_relu(tg), tg_nn_linear(tg, 40, 30, .no_bias = true)), tg_randn(tg, TG_SHAPE(2, 5, 50)), true);
    keeps(tg, tg_nn_conv2d(tg, 5, 20, 3, .padding = {1, 1}), tg_randn(tg, TG_SHAPE(2, 5, 14, 9)), true);
    keeps(tg, tg_nn_conv2d(tg, 6, 20, 3, .groups = 2, .stride = {2, 1}, .dilation = {1, 2}), tg_randn(tg, TG_SHAPE(3, 6, 14, 19)), true);
    keeps(tg, tg_nn_conv2d(tg, 600, 20, 2), tg_randn(tg, TG_SHAPE(1, 600, 5, 5)), true);
    keeps(tg, tg_nn_conv1d(tg, 6, 9, 3), tg_randn(tg, TG_SHAPE(3, 6, 14)), true);
    keeps(tg, tg_nn_conv3d(tg, 2, 9, 2), tg_randn(tg, TG_SHAPE(3, 2, 5, 6, 7)), true);
    keeps(tg, tg_nn_conv2d(tg, 6, 20, 1), tg_randn(tg, TG_SHAPE(3, 6, 14, 19)), false);
    keeps(tg, tg_nn_conv_transpose2d(tg, 6, 4, 3), tg_randn(tg, TG_SHAPE(3, 6, 5, 5)), false);
    {
        tg_module *m = tg_nn_sequential(tg, tg_nn_linear(tg, 70, 33), tg_nn_unflatten(tg, 1, TG_DIMS(1, 33)), tg_nn_conv1d(tg, 1, 4, 3));
        CHECK(tg_module_to(m, TG_F64));
        keeps(tg, m, tg_to(tg_randn(tg, TG_SHAPE(9, 70)), TG_F64), true);
        m = tg_nn_linear(tg, 70, 33);
        CHECK(tg_module_to(m, TG_BF16));
        keeps(tg, m, tg_to(tg_randn(tg, TG_SHAPE(9, 70)), TG_BF16), false);
    }
}
/* y of the module, and of the same weights that keep nothing */
static bool right(tg_ctx *tg, tg_module *m, tg_tensor *x) {
    tg_tensor *y = tg_forward(m, x);
    tg_module *copy = tg_module_copy(m);
    bool ok;
    tg_keep_packed(copy, false);
    ok = same(y, tg_forward(copy, x)) && !tg_failed(tg);
    tg_module_free(copy);
    return ok;
}
/* A weight that changes, in each way in which it can. */
/* What a limit leaves no room for is not kept, and nothing fails */
static void test_limit(void) {
    tg_config config = test_config(NULL);
    tg_ctx *tg;
    tg_module *m;
    config.memory_limit = 4 << 20;
    tg = tg_open(&config);
    m = tg_nn_sequential(tg, tg_nn_linear(tg, 512, 512), tg_nn_linear(tg, 512, 512));
    CHECK(tg_bake(m, NULL));
    for (int i = 0; i < 3; i++) { tg_mark s = tg_begin(tg); CHECK(tg_forward(m, tg_ones(tg, TG_SHAPE(64, 512))) != NULL); CHECK(packed(tg) < 2 << 20); tg_end(tg, s); }
    CHECK_OK(tg);
    test_close(tg);
    for (int conv = 0; conv < 2; conv++) {                              /* what was kept makes room for what comes later, for other weights' products too */
        config.memory_limit = 8 << 20;
        tg = tg_open(&config);
        m = conv ? tg_nn_conv2d(tg, 256, 256, 3) : tg_nn_linear(tg, 1024, 512);
        CHECK(tg_bake(m, NULL));
        for (int i = 0; i < 2; i++) {
            tg_mark s = tg_begin(tg);
            tg_tensor *x = conv ? tg_ones(tg, TG_SHAPE(1, 256, 5, 5)) : tg_ones(tg, TG_SHAPE(20, 1024)), *y = tg_forward(m, x), *large;
            CHECK(packed(tg) > 2 << 20);
            large = tg_ones(tg, TG_SHAPE(1350000));                     /* 5.4 MB of 8.4, beside 2.2 of weights, and as many packed */
            CHECK_MSG(large && packed(tg) == 0, "%s: %zu of %zu", tg_error_text(tg), packed(tg), tg_memory(tg).now);
            CHECK(conv || same(y, tg_forward(m, x)));                   /* packed for this call alone, which a convolution has no room for now */
            CHECK_OK(tg);
            tg_end(tg, s);
            tg_trim(tg);
        }
        test_close(tg);
    }
}
static void test_changed(tg_ctx *tg) {
    static const int64_t at[2] = { 1, 2 };
    tg_module *m = tg_nn_sequential(tg, tg_nn_linear(tg, 40, 30), tg_nn_linear(tg, 30, 30), tg_nn_unflatten(tg, 1, TG_DIMS(1, 5, 6)), tg_nn_conv2d(tg, 1, 4, 3));
    tg_module *other = tg_module_copy(m);
    tg_tensor *x = tg_randn(tg, TG_SHAPE(12, 40)), *w, *list[8], *y;
    tg_optim *opt;
    tg_dict *d;
    size_t size;
    tg_mark scope = tg_begin(tg);
    int i;
    CHECK(tg_bake(m, x));
    tg_end(tg, scope);
    scope = tg_begin(tg);
    CHECK(right(tg, m, x) && packed(tg) > 0);
    tg_end(tg, scope);
    size = packed(tg);
    scope = tg_begin(tg);
    w = tg_module_tensor_at(m, "0.weight");
    y = tg_forward(m, x);
    CHECK(tg_mul_(w, tg_number(tg, 2)) && right(tg, m, x) && !same(y, tg_forward(m, x)));
    CHECK(tg_copy_(tg_module_tensor_at(m, "3.weight"), tg_detach(tg_module_tensor_at(other, "3.weight"))) && right(tg, m, x));
    CHECK(tg_copy_(tg_select(w, 0, 3), tg_ones(tg, TG_SHAPE(40))) && right(tg, m, x));                   /* by a view */
    CHECK(tg_set(w, at, 7) && right(tg, m, x));
    d = tg_state_dict(other);
    CHECK(tg_load_state_dict(m, d, NULL) && right(tg, m, x) && same(tg_forward(m, x), tg_forward(other, x)));
    tg_dict_free(d);
    CHECK(tg_swap(tg_module_tensor_at(m, "1.weight"), tg_randn(tg, TG_SHAPE(30, 30))) && right(tg, m, x));
    CHECK(tg_module_set(m, "0.weight", tg_randn(tg, TG_SHAPE(30, 40))) && right(tg, m, x));
    tg_end(tg, scope);                                               /* with which those go that stood there before */
    CHECK(right(tg, m, x));
    CHECK_INT(packed(tg), size);
    /* trained on: nothing is kept while gradients are wanted, and steps are noticed afterwards */
    tg_freeze(m, false);
    tg_trim(tg);
    opt = tg_optim_sgd(m, 0.1);
    for (i = 0; i < 3; i++) CHECK(tg_backward(tg_sum(tg_square(tg_forward(m, x)))) && tg_step(opt));
    CHECK_INT(packed(tg), 0);
    tg_freeze(m, true);
    CHECK(right(tg, m, x) && packed(tg) == size);
    tg_freeze(m, false);
    CHECK(tg_backward(tg_sum(tg_square(tg_forward(m, x)))) && tg_step(opt));
    tg_freeze(m, true);
    CHECK(right(tg, m, x) && packed(tg) == size);
    tg_optim_free(opt);
    CHECK_INT(tg_parameters(m, list, 8), 6);
    CHECK(tg_module_to(m, TG_F64) && right(tg, m, tg_to(x, TG_F64)));
    tg_module_free(m); tg_module_free(other);
    CHECK_INT(packed(tg), 0);
    /* memory that is the host's, who may write to it unseen */
    {
        float host[64 * 32];
        tg_module *l = tg_nn_linear(tg, 64, 32);
        for (i = 0; i < 64 * 32; i++) host[i] = (float)i;
        CHECK(tg_module_set(l, "weight", tg_wrap(tg, TG_SHAPE(32, 64), TG_F32, host)));
        CHECK(tg_bake(l, NULL));
        y = tg_forward(l, tg_ones(tg, TG_SHAPE(5, 64)));
        host[0] = 1000;
        CHECK(!same(y, tg_forward(l, tg_ones(tg, TG_SHAPE(5, 64)))) && packed(tg) == 0);
        tg_module_free(l);
    }
    CHECK_OK(tg);
}

/* ---- threads ---- */
static tg_module *model(tg_ctx *tg) {
    tg_module *m = tg_nn_sequential(tg, tg_nn_conv2d(tg, 3, 24, 3, .no_bias = true), tg_nn_batch_norm2d(tg, 24), tg_nn_relu(tg), tg_nn_flatten(tg), tg_nn_linear(tg, 24 * 100, 260), tg_nn_relu(tg), tg_nn_linear(tg, 260, 300));
    if (m) stir(m);
    return m;
}
static void test_threads(tg_ctx *tg) {
    tg_module *m = model(tg);
    tg_tensor *x = tg_randn(tg, TG_SHAPE(200, 3, 12, 12)), *y;
    CHECK(tg_bake(m, x));
    y = tg_forward(m, x);
    CHECK(tg_threads(tg, 3));
    CHECK(same(y, tg_forward(m, x)));
    tg_trim(tg);
    CHECK(same(y, tg_forward(m, x)) && same(y, tg_forward(m, x)));
    CHECK(tg_threads(tg, 1));
    tg_module_free(m);
}
/* One set of weights, many contexts: each packs for itself. */
typedef struct worker { pthread_t thread; tg_ctx *tg; tg_module *m; tg_tensor *x, *want; bool ok; } worker;
static void *work(void *arg) {
    worker *w = (worker *)arg;
    int i;
    w->ok = true;
    for (i = 0; i < 20; i++) {
        tg_mark s = tg_begin(w->tg);
        if (!same(w->want, tg_forward(w->m, w->x))) w->ok = false;
        tg_end(w->tg, s);
    }
    return NULL;
}
static void test_contexts(tg_ctx *tg) {
    tg_module *m = model(tg);
    tg_tensor *x = tg_randn(tg, TG_SHAPE(20, 3, 12, 12)), *y;
    worker w[3];
    tg_dict *d;
    int64_t i, k;
    CHECK(tg_bake(m, x));
    y = tg_forward(m, x);
    d = tg_state_dict(m);
    for (k = 0; k < 3; k++) {
        w[k].tg = test_open();
        w[k].m = model(w[k].tg);
        CHECK(tg_bake(w[k].m, tg_zeros(w[k].tg, TG_SHAPE(2, 3, 12, 12))));
        for (i = 0; i < tg_dict_count(d); i++) CHECK(tg_module_set(w[k].m, tg_dict_name(d, i), tg_share(w[k].tg, tg_dict_at(d, i))));
        w[k].x = tg_share(w[k].tg, x); w[k].want = tg_share(w[k].tg, y);
    }
    tg_dict_free(d);
    for (k = 0; k < 3; k++) CHECK(pthread_create(&w[k].thread, NULL, work, &w[k]) == 0);
    for (k = 0; k < 3; k++) {
        CHECK(pthread_join(w[k].thread, NULL) == 0 && w[k].ok);
        CHECK_OK(w[k].tg);
        CHECK(tg_memory(w[k].tg).packed > 0);
        test_close(w[k].tg);
    }
    CHECK(same(y, tg_forward(m, x)));
    tg_module_free(m);
    CHECK_OK(tg);
}

/* Every allocation fails once: an error, and the model is either baked or as it was. */
static void test_memory(void) {
    test_heap heap = TEST_HEAP;
    for (heap.fail_at = 1; ; heap.fail_at++) {
        tg_ctx *tg = test_open_heap(&heap);
        tg_tensor *x = NULL, *y = NULL, *z = NULL;
        tg_module *m = NULL;
        if (tg) tg_seed(tg, 1);
        m = tg ? tg_nn_sequential(tg, tg_nn_conv2d(tg, 3, 5, 3, .no_bias = true), tg_nn_batch_norm2d(tg, 5), tg_nn_flatten(tg), tg_nn_linear(tg, 80, 24), tg_nn_batch_norm1d(tg, 24)) : NULL;
        if (m) {
            stir(m);
            tg_train(m, false);
            y = tg_forward(m, x = tg_randn(tg, TG_SHAPE(5, 3, 6, 6)));
        }
        if (y) {
            const bool ok = tg_bake(m, x);
            CHECK(ok != tg_failed(tg));
            tg_clear(tg);
            CHECK(norms_left(m) == (ok ? 0 : 2) && (tg_module_tensor_at(m, "0.bias") != NULL) == ok);
            if (!(z = tg_forward(m, x))) { CHECK(tg_failed(tg)); tg_clear(tg); z = tg_forward(m, x); }
            if (z) CHECK(apart(y, z) < 2e-5 || tg_failed(tg));
            tg_clear(tg);
            z = tg_forward(m, x);
            tg_clear(tg);
            if (z) CHECK(apart(y, z) < 2e-5 || tg_failed(tg));
        }
        if (tg) tg_clear(tg);
        tg_module_free(m);
        if (tg) CHECK_INT(packed(tg), 0);
        test_close(tg);
        if (!test_heap_ended(&heap)) break;
    }
}

int main(void) {
    tg_ctx *tg = test_open();
    test_modes(tg);
    test_folds(tg);
    test_after(tg);
    test_clamps(tg);
    test_uses(tg);
    test_functions(tg);
    test_often(tg);
    test_refused(tg);
    test_kept(tg);
    test_changed(tg);
    test_threads(tg);
    test_contexts(tg);
    test_close(tg);
    test_limit();
    test_memory();
    return test_end("infer");
}
