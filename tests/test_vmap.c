/* tg_vmap over all operations of op_list.h and over whole modules: every example gets the bits that a call of its own gives, and its own gradient; or the call is refused by name, and is on the list
   below. test_opaque.c does the same for every public function. */
#include "test.h"
#include <math.h>
#include "op_list.h"

enum { EXAMPLES = 3 };
static tg_ctx *tg;

/* ---- every operation ---- */
/* What cannot be mapped: it writes in place, reads numbers, or asks for gradients inside. A new one is a failure, and so is one that works by now. */
static const char *const refused_ops[] = { "added_into", "matrix_exps", "pool_back", "pool_mean_again", "ctc", "copied", "copied_part", "added_part", "filled_part", "filled_all", "made_uniform", "made_normal", NULL };
static const char *refused_now[100];
static int refused_count, mapped_count;

typedef struct mapped_op { const op_job *j; tg_tensor *fixed[4]; bool is[4]; int n; } mapped_op;
static tg_tensor *call_mapped(const mapped_op *p, tg_tensor *const *x) {
    tg_tensor *o[4];
    int i, k = 0;
    for (i = 0; i < p->n; i++) o[i] = viewed(p->is[i] ? x[k++] : p->fixed[i], p->j->view[i]);
    return p->j->c->f(o, p->n);
}
static bool call_as_function(void *user, tg_tensor *const *x, int n, tg_tensor **y, int m) { (void)n; (void)m; return (y[0] = call_mapped((const mapped_op *)user, x)) != NULL; }
/* All operands mapped, or only operand `one`: the wholes are x, 0.75 x and 0.5 x. */
static void map_op(const op_job *j, tg_tensor *const *x, int n, int one, const char *what) {
    const tg_random_state random = tg_random_get(tg);
    tg_tensor *whole[4], *leaf[4], *y = NULL, *each[EXAMPLES], *want, *seed, *g[4], *h[4];
    tg_function_call c;
    mapped_op p;
    int i, e, m = 0, leaves = 0;
    bool ok, turns = false,                                            /* operands lie in several orders: a formula of them chooses one, and a sum of that may round otherwise */
         draws = strstr(j->c->called, "drop") && !strstr(j->c->called, "no_");
    memset(&p, 0, sizeof p); memset(&c, 0, sizeof c);
    p.j = j; p.n = n;
    for (i = 0; i < n; i++) {
        p.is[i] = one < 0 || i == one;
        turns = turns || j->view[i];
        if (p.is[i]) {
            for (e = 0; e < EXAMPLES; e++) each[e] = tg_mul_scalar(x[i], 1 - 0.25 * e);
            leaf[leaves++] = whole[m++] = tg_require_grad(tg_stack(each, EXAMPLES, 0), true);
        } else leaf[leaves++] = p.fixed[i] = tg_require_grad(tg_clone(x[i]), true);
    }
    c.f = call_as_function; c.user = &p; c.inputs = whole; c.n_inputs = m; c.n_outputs = 1;
    ok = tg_vmap(&c, &y);
    if (!ok) {
        CHECK_MSG(tg_error(tg) == TG_ERROR_UNSUPPORTED && strstr(tg_error_text(tg), "inside tg_vmap"), "%s: %s", what, tg_error_text(tg)); tg_clear(tg);
        for (i = 0; i < refused_count && !is(refused_now[i], j->c->called); i++) { }
        if (i == refused_count && i < 100) refused_now[refused_count++] = j->c->called;
        return;
    }
    mapped_count++;
    (void)tg_random_set(tg, random);
    for (e = 0; ok && e < EXAMPLES; e++) {
        tg_tensor *o[4];
        for (i = 0; i < m; i++) o[i] = tg_select(whole[i], 0, e);
        ok = (each[e] = call_mapped(&p, o)) != NULL && (draws || same(tg_select(y, 0, e), each[e]) || (turns && tg_allclose(tg_select(y, 0, e), each[e], 1e-14, 1e-14)));
        CHECK_MSG(ok, "%s: example %d is not what a call of its own gives: %s", what, e, tg_error_text(tg));
    }
    want = ok && !draws ? tg_stack(each, EXAMPLES, 0) : NULL;
    if (want && y->requires_grad) {
        seed = tg_to(tg_randn(tg, y->ndim, y->shape), y->dtype);
        ok = tg_grad(&y, 1, leaf, leaves, g, .grad_outputs = &seed, .allow_unused = true) && tg_grad(&want, 1, leaf, leaves, h, .grad_outputs = &seed, .allow_unused = true);
        CHECK_MSG(ok, "%s: no gradient: %s", what, tg_error_text(tg));
        for (i = 0; ok && i < leaves; i++) CHECK_MSG(!g[i] == !h[i] && (!g[i] || same(tg_contiguous(g[i]), tg_contiguous(h[i])) || tg_allclose(g[i], h[i], 1e-11, 1e-11)), "%s: gradient %d is another", what, i);
    } else if (want) CHECK_MSG(!want->requires_grad, "%s: the graph is lost", what);
    CHECK_OK(tg);
}
static void test_ops(void) {
    int i, k, n, one;
    for (i = 0; i < (int)(sizeof ops / sizeof ops[0]); i++) {
        const char *at = ops[i].operands;
        while (at) {
            const tg_mark m = tg_begin(tg);
            tg_tensor *x[4];
            char what[120];
            op_job j;
            bool wide;
            const char *end = op_operands(tg, &ops[i], at, &j, x, &n, &wide);
            for (one = -1; one < (n > 1 ? n : 0); one++) {
                sprintf(what, "%.40s of '%.*s', operand %d (-1: all)", ops[i].called, (int)(end - at) < 60 ? (int)(end - at) : 60, at, one);
                map_op(&j, x, n, one, what);
            }
            at = *end == '|' ? end + 1 : NULL;
            tg_end(tg, m);
        }
    }
    for (i = 0; i < refused_count; i++) {
        for (k = 0; refused_ops[k] && !is(refused_ops[k], refused_now[i]); k++) { }
        CHECK_MSG(refused_ops[k] != NULL, "%s is refused inside tg_vmap, and is not on the list", refused_now[i]);
    }
    for (k = 0; refused_ops[k]; k++) {
        for (i = 0; i < refused_count && !is(refused_ops[k], refused_now[i]); i++) { }
        CHECK_MSG(i < refused_count, "%s is on the list of what tg_vmap refuses, and is not refused", refused_ops[k]);
    }
    printf("    %d calls are mapped, %d functions are refused:", mapped_count, refused_count);
    for (i = 0; i < refused_count; i++) printf(" %s", refused_now[i]);
    printf("\n");
}

/* ---- whole modules ---- */
static bool forward(void *user, tg_tensor *const *x, int n, tg_tensor **y, int m) { (void)n; (void)m; return (y[0] = tg_forward((tg_module *)user, x[0])) != NULL; }
/* x [N, ...] through the module, against the loop; gradients of the parameters and of x. */
static void map_module(tg_module *module, tg_tensor *x, const char *name) {
    tg_tensor *params[64], *leaf[65], *each[8], *y = NULL, *want, *g[65], *h[65], *seed;
    const int n = tg_parameters(module, params, 64);
    tg_function_call c;
    int i;
    memset(&c, 0, sizeof c);
    c.f = forward; c.user = module; c.inputs = &x; c.n_inputs = c.n_outputs = 1;
    if (!CHECK_MSG(n > 0 && n <= 64 && x->shape[0] <= 8 && tg_vmap(&c, &y), "%s: %s", name, tg_error_text(tg))) { tg_clear(tg); return; }
    for (i = 0; i < (int)x->shape[0]; i++) {
        each[i] = tg_forward(module, tg_select(x, 0, i));
        CHECK_MSG(same(tg_select(y, 0, i), each[i]) || tg_allclose(tg_select(y, 0, i), each[i], 1e-5, 1e-6), "%s: example %d", name, i);
    }
    want = tg_stack(each, (int)x->shape[0], 0);
    leaf[0] = x;
    for (i = 0; i < n; i++) leaf[1 + i] = params[i];
    seed = tg_randn_like(want);
    CHECK_MSG(tg_grad(&y, 1, leaf, n + 1, g, .grad_outputs = &seed) && tg_grad(&want, 1, leaf, n + 1, h, .grad_outputs = &seed), "%s: %s", name, tg_error_text(tg));
    for (i = 0; i <= n && !tg_failed(tg); i++) CHECK_MSG(tg_allclose(g[i], h[i], 1e-4, 1e-5), "%s: gradient %d", name, i);
    CHECK_OK(tg);
}
/* Gradients of each example by the parameters: a copy of these for every example, mapped beside it, and one backward. */
typedef struct per_sample { tg_module *module; int n; } per_sample;
static bool loss_of(void *user, tg_tensor *const *x, int n, tg_tensor **y, int m) {
    const per_sample *p = (const per_sample *)user;
    (void)m;
    return (y[0] = tg_sum(tg_square(tg_functional_call(p->module, x + 1, n - 1, x, 1)))) != NULL;
}
static void test_per_sample(void) {
    const tg_mark m = tg_begin(tg);
    tg_module *net = tg_nn_sequential(tg, tg_nn_linear(tg, 3, 4), tg_nn_tanh(tg), tg_nn_linear(tg, 4, 2));
    tg_tensor *x = tg_randn(tg, TG_SHAPE(5, 3)), *params[8], *in[9], *g[8], *h[8], *y, *loss;
    per_sample p;
    tg_function_call c;
    int i, e;
    p.module = net; p.n = tg_parameters(net, params, 8);
    in[0] = x;
    for (i = 0; i < p.n; i++) {
        int64_t shape[3];
        shape[0] = 5; memcpy(shape + 1, params[i]->shape, (size_t)params[i]->ndim * sizeof shape[0]);
        in[1 + i] = tg_expand(params[i], params[i]->ndim + 1, shape);
    }
    memset(&c, 0, sizeof c);
    c.f = loss_of; c.user = &p; c.inputs = in; c.n_inputs = p.n + 1; c.n_outputs = 1;
    CHECK(tg_vmap(&c, &y) && (loss = tg_sum(y)) != NULL && tg_grad(&loss, 1, in + 1, p.n, g)); CHECK_OK(tg);
    for (e = 0; e < 5; e++) {
        loss = tg_sum(tg_square(tg_forward(net, tg_select(x, 0, e))));
        CHECK(tg_grad(&loss, 1, params, p.n, h));
        for (i = 0; i < p.n && !tg_failed(tg); i++) CHECK(tg_allclose(tg_select(g[i], 0, e), h[i], 1e-5, 1e-6));
    }
    CHECK_OK(tg);
    tg_module_free(net);
    tg_end(tg, m);
}
static void test_modules(void) {
    const tg_mark m = tg_begin(tg);
    tg_module *mlp = tg_nn_sequential(tg, tg_nn_linear(tg, 6, 8), tg_nn_gelu(tg), tg_nn_layer_norm(tg, 8), tg_nn_linear(tg, 8, 3));
    tg_module *net = tg_nn_sequential(tg, tg_nn_conv2d(tg, 2, 4, 3, .padding = {1}), tg_nn_relu(tg), tg_nn_max_pool2d(tg, 2), tg_nn_group_norm(tg, 2, 4), tg_nn_conv2d(tg, 4, 2, 3), tg_nn_flatten(tg));
    tg_module *encoder = tg_nn_transformer_encoder_layer(tg, 8, 2, .dim_feedforward = 16, .dropout = TG_IS(0), .batch_first = true);
    map_module(mlp, tg_require_grad(tg_randn(tg, TG_SHAPE(4, 6)), true), "an MLP");
    map_module(mlp, tg_require_grad(tg_randn(tg, TG_SHAPE(4, 2, 6)), true), "an MLP of batches");
    map_module(net, tg_require_grad(tg_randn(tg, TG_SHAPE(3, 2, 2, 8, 8)), true), "a network of convolutions");
    map_module(encoder, tg_require_grad(tg_randn(tg, TG_SHAPE(3, 2, 5, 8)), true), "a layer of a transformer");
    tg_module_free(mlp); tg_module_free(net); tg_module_free(encoder);
    tg_end(tg, m);
}

/* ---- what it says ---- */
static bool sorts(void *user, tg_tensor *const *x, int n, tg_tensor **y, int m) { (void)n; (void)m; return (y[0] = tg_sort(x[0], 0, user != NULL, m > 1 ? y + 1 : NULL)) != NULL; }
static bool drops(void *user, tg_tensor *const *x, int n, tg_tensor **y, int m) { (void)user; (void)n; (void)m; return (y[0] = tg_dropout(x[0], 0.5, true)) != NULL && (y[1] = tg_rand_like(x[0])) != NULL && (y[2] = tg_dropout2d(x[0], 0.5, true)) != NULL; }
static bool counts(void *user, tg_tensor *const *x, int n, tg_tensor **y, int m) { (void)user; (void)n; (void)m; return (y[0] = tg_nonzero(x[0])) != NULL; }
static void test_edges(void) {
    const tg_mark m = tg_begin(tg);
    tg_tensor *x = tg_require_grad(tg_randn(tg, TG_SHAPE(4, 5)), true), *none = tg_zeros(tg, TG_SHAPE(0, 5)), *ones = tg_ones(tg, TG_SHAPE(3, 2, 50, 2)), *y[3];
    tg_function_call c;
    int i;
    memset(&c, 0, sizeof c);
    c.f = sorts; c.inputs = &x; c.n_inputs = 1; c.n_outputs = 2;
    CHECK(tg_vmap(&c, y) && y[0]->ndim == 2 && y[1]->dtype == TG_I64 && !y[1]->requires_grad && tg_equal(y[0], tg_sort(x, 1, false, NULL)) && tg_equal(tg_gather(x, 1, y[1]), y[0])); CHECK_OK(tg);
    c.inputs = &none;
    CHECK(!tg_vmap(&c, y) && !y[0] && !y[1] && strstr(tg_error_text(tg), "one example after the other, of which there are 0")); CHECK_ERROR(tg, TG_ERROR_UNSUPPORTED);
    c.f = counts; c.inputs = &x; c.n_outputs = 1;
    CHECK(!tg_vmap(&c, y) && strncmp(tg_error_text(tg), "nonzero: ", 9) == 0); CHECK_ERROR(tg, TG_ERROR_UNSUPPORTED);
    c.f = drops; c.inputs = &ones; c.n_outputs = 3;                     /* each example has numbers of its own */
    CHECK(tg_vmap(&c, y)); CHECK_OK(tg);
    for (i = 0; i < 3; i++) CHECK(y[i] && !tg_equal(tg_select(y[i], 0, 0), tg_select(y[i], 0, 1)) && !tg_equal(tg_select(y[i], 0, 1), tg_select(y[i], 0, 2)));
    CHECK(tg_equal(tg_select(y[2], -1, 0), tg_select(y[2], -1, 1)));    /* whole channels */
    tg_end(tg, m);
    CHECK_OK(tg);
}

int main(void) {
    tg = test_open();
    if (!tg) return test_end("vmap");
    test_ops();
    test_modules();
    test_per_sample();
    test_edges();
    test_close(tg);
    return test_end("vmap");
}
