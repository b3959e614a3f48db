/* Normalisations: the fused kernels against the same in plain double, results and gradients, for rows that are short, long, many, strided, of halves, with weights or without;
   the same bits for any number of threads.   run.sh flags: -lpthread -lm */
#include "test.h"
#include <math.h>

static tg_ctx *tg;
enum { LAYER, RMS, GROUP, BATCH, INSTANCE, KINDS };
static const char *const names[KINDS] = { "layer", "rms", "group", "batch", "instance" };
static const double eps = 1e-3;

/* Rows as lists: element k of row r stands at x[place(...)], its weight is w[of(...)]. */
typedef struct norm { int kind; int64_t n, c, s, groups; } norm;             /* x [n, c, s]; of a layer rows are [s] */
static int64_t rows(const norm *m) { switch (m->kind) { case GROUP: return m->n * m->groups; case BATCH: return m->c; default: return m->n * m->c; } }
static int64_t place(const norm *m, int64_t r, int64_t k) { return m->kind == BATCH ? (k / m->s * m->c + r) * m->s + k % m->s : r * (m->n * m->c * m->s / rows(m)) + k; }
static int64_t weight(const norm *m, int64_t at) { return m->kind <= RMS ? at % m->s : at / m->s % m->c; }
static void reference(const norm *m, const double *x, const double *w, const double *b, const double *g, double *y, double *dx, double *dw, double *db) {
    const int64_t length = m->n * m->c * m->s / rows(m);
    int64_t r, k;
    for (r = 0; r < rows(m); r++) {
        double mean = 0, var = 0, s, sum = 0, dot = 0;
        for (k = 0; k < length && m->kind != RMS; k++) mean += x[place(m, r, k)] / (double)length;
        for (k = 0; k < length; k++) { double d = x[place(m, r, k)] - mean; var += d * d / (double)length; }
        s = 1 / sqrt(var + eps);
        for (k = 0; k < length; k++) {
            int64_t at = place(m, r, k), i = weight(m, at);
            double d = (x[at] - mean) * s;
            y[at] = d * (w ? w[i] : 1) + (b ? b[i] : 0);
            dw[i] += g[at] * d; db[i] += g[at];
            sum += g[at] * (w ? w[i] : 1); dot += g[at] * (w ? w[i] : 1) * d;
        }
        for (k = 0; k < length; k++) {
            int64_t at = place(m, r, k);
            dx[at] = s * (g[at] * (w ? w[weight(m, at)] : 1) - (m->kind == RMS ? 0 : sum / (double)length) - (x[at] - mean) * s * dot / (double)length);
        }
    }
}
static tg_tensor *call(const norm *m, tg_tensor *x, tg_tensor *w, tg_tensor *b) {
    switch (m->kind) {
        case LAYER: return tg_layer_norm(x, TG_SHAPE(m->s), w, b, eps);
        case RMS: return tg_rms_norm(x, TG_SHAPE(m->s), w, eps);
        case GROUP: return tg_group_norm(x, m->groups, w, b, eps);
        case BATCH: return tg_batch_norm(x, NULL, NULL, w, b, true, 0.1, eps);
        default: return tg_instance_norm(x, NULL, NULL, w, b, true, 0.1, eps);
    }
}
static double *numbers(tg_tensor *t) {
    double *v = (double *)calloc((size_t)t->numel + 1, sizeof *v);
    CHECK(tg_read(tg_contiguous(tg_to(t, TG_F64)), v, (size_t)t->numel * sizeof *v));
    return v;
}
static void near_to(tg_tensor *t, const double *want, double bound, const char *what, const char *which) {
    double *v, worst = 0, top = 1;
    int64_t i;
    if (!CHECK_MSG(t != NULL, "%s: no %s: %s", what, which, tg_error_text(tg))) { tg_clear(tg); return; }
    v = numbers(t);
    for (i = 0; i < t->numel; i++) top = fmax(top, fabs(want[i]));
    for (i = 0; i < t->numel; i++) { double d = fabs(v[i] - want[i]) / top; if (!(d <= worst)) worst = d; }
    CHECK_MSG(worst <= bound, "%s: %s is off by %g", what, which, worst);
    free(v);
}
enum { PLAIN, TURNED, STEPPED, VIEWS };
/* the same elements, lying otherwise */
static tg_tensor *lying(tg_tensor *t, int view) {
    tg_tensor *l[2];
    if (view == TURNED) return tg_permute(tg_contiguous(tg_permute(t, TG_DIMS(2, 0, 1))), TG_DIMS(1, 2, 0));
    l[0] = l[1] = t;
    return view == STEPPED ? tg_select(tg_stack(l, 2, -1), -1, 0) : t;
}
static void compare(const norm *m, tg_dtype d, int view, int with) {
    tg_mark mark = tg_begin(tg);
    const int64_t many = m->kind <= RMS ? m->s : m->c;
    const double bound = d == TG_F64 ? 1e-11 : d == TG_F32 ? 2e-5 : d == TG_F16 ? 3e-3 : 2e-2;
    tg_tensor *in[3], *x, *w, *b, *y, *g, *grad[3];
    double *vx, *vw, *vb, *vg, *out[4];
    char what[120];
    int i, n = 1, again;
    snprintf(what, sizeof what, "%s of %d, %d, %d, %s, view %d, with %d", names[m->kind], (int)m->n, (int)m->c, (int)m->s, tg_dtype_name(d), view, with);
    x = tg_to(tg_add_scalar(tg_randn(tg, TG_SHAPE(m->n, m->c, m->s)), 0.5), d);
    g = lying(tg_to(tg_randn(tg, TG_SHAPE(m->n, m->c, m->s)), d), view);
    w = with > 0 ? tg_to(tg_add_scalar(tg_randn(tg, TG_SHAPE(many)), 1), d) : NULL;
    b = with > 1 && m->kind != RMS ? tg_to(tg_randn(tg, TG_SHAPE(many)), d) : NULL;
    x = tg_require_grad(lying(x, view), true);
    in[0] = x;
    if (w) in[n++] = tg_require_grad(w, true);
    if (b) in[n++] = tg_require_grad(b, true);
    vx = numbers(tg_detach(x)); vg = numbers(g); vw = w ? numbers(tg_detach(w)) : NULL; vb = b ? numbers(tg_detach(b)) : NULL;
    for (i = 0; i < 4; i++) out[i] = (double *)calloc((size_t)(i < 2 ? x->numel : many), sizeof(double));
    reference(m, vx, vw, vb, vg, out[0], out[1], out[2], out[3]);
    y = call(m, x, w, b);
    near_to(y, out[0], bound, what, "y");
    for (again = 0; again < 2 && y; again++) {                 /* fused, then composed */
        if (!CHECK_MSG(tg_grad(&y, 1, in, n, grad, .grad_outputs = &g, .create_graph = again == 1, .retain_graph = true), "%s: %s", what, tg_error_text(tg))) { tg_clear(tg); break; }
        near_to(grad[0], out[1], 4 * bound, what, again ? "composed dx" : "dx");
        if (w) near_to(grad[1], out[2], 4 * bound, what, again ? "composed dw" : "dw");
        if (b) near_to(grad[2], out[3], 4 * bound, what, again ? "composed db" : "db");
    }
    for (i = 0; i < 4; i++) free(out[i]);
    free(vx); free(vg); free(vw); free(vb);
    tg_end(tg, mark);
}
static void test_values(void) {
    static const norm sizes[] = { { 0, 3, 4, 5, 2 }, { 0, 2, 6, 64, 3 }, { 0, 2, 2, 9000, 1 }, { 0, 70, 4, 33, 2 }, { 0, 300, 2, 3, 1 }, { 0, 3, 8, 200, 2 }, { 0, 1, 3, 1, 1 } };
    int k, i, d, view, with;
    for (k = 0; k < KINDS; k++) for (i = 0; i < (int)(sizeof sizes / sizeof sizes[0]); i++) for (d = 0; d < 4; d++) for (view = 0; view < VIEWS; view++) for (with = 0; with < 3; with++) {
        static const tg_dtype kinds[] = { TG_F64, TG_F32, TG_F16, TG_BF16 };
        norm m = sizes[i];
        m.kind = k;
        if (k >= BATCH && m.s == 1) continue;
        if (d > 1 && with != 2) continue;
        compare(&m, kinds[d], view, with);
    }
}
/* moving statistics, and the result with them */
static void test_running(void) {
    tg_mark mark = tg_begin(tg);
    int i;
    for (i = 0; i < 2; i++) {
        tg_tensor *x = tg_randn(tg, TG_SHAPE(4, 3, 70)), *mean = tg_ones(tg, TG_SHAPE(3)), *var = tg_full(tg, TG_SHAPE(3), 2, TG_F32), *m, *v, *y, *w = tg_randn(tg, TG_SHAPE(3)), *z;
        const int64_t dims[2] = { 2, 0 };
        m = tg_mean_dims(x, 2, dims, false);
        v = i ? tg_mean_dims(tg_var_dims(x, 1, dims, 1, false), 1, dims + 1, false) : tg_var_dims(x, 2, dims, 1, false);
        y = i ? tg_instance_norm(x, mean, var, w, w, true, 0.25, 1e-5) : tg_batch_norm(x, mean, var, w, w, true, 0.25, 1e-5);
        CHECK(y != NULL); CHECK_OK(tg);
        CHECK(tg_allclose(mean, tg_add_scalar(tg_mul_scalar(m, 0.25), 0.75), 1e-6, 1e-5));
        CHECK(tg_allclose(var, tg_add_scalar(tg_mul_scalar(v, 0.25), 1.5), 1e-6, 1e-5));
        y = tg_batch_norm(x, mean, var, w, NULL, false, 0.25, 1e-5);
        z = tg_mul(tg_sub(x, tg_reshape(mean, TG_SHAPE(3, 1))), tg_reshape(tg_mul(w, tg_rsqrt(tg_add_scalar(var, 1e-5))), TG_SHAPE(3, 1)));
        CHECK(tg_allclose(y, z, 1e-5, 1e-5)); CHECK_OK(tg);
    }
    tg_end(tg, mark);
}
static void test_threads(void) {
    static const norm sizes[] = { { LAYER, 50, 10, 100, 1 }, { RMS, 50, 10, 100, 1 }, { GROUP, 20, 8, 100, 2 }, { BATCH, 20, 8, 100, 1 }, { INSTANCE, 20, 8, 100, 1 } };
    int i, k;
    for (i = 0; i < 5; i++) {
        tg_mark mark = tg_begin(tg);
        const norm *m = &sizes[i];
        const int64_t many = m->kind <= RMS ? m->s : m->c;
        tg_tensor *in[3], *y[2], *g[2][3], *seed = tg_randn(tg, TG_SHAPE(m->n, m->c, m->s));
        in[0] = tg_require_grad(tg_randn(tg, TG_SHAPE(m->n, m->c, m->s)), true);
        in[1] = tg_require_grad(tg_randn(tg, TG_SHAPE(many)), true); in[2] = tg_require_grad(tg_randn(tg, TG_SHAPE(many)), true);
        for (k = 0; k < 2; k++) {
            CHECK(tg_threads(tg, k ? 3 : 1));
            y[k] = call(m, in[0], in[1], in[2]);
            CHECK(tg_grad(&y[k], 1, in, m->kind == RMS ? 2 : 3, g[k], .grad_outputs = &seed)); CHECK_OK(tg);
        }
        CHECK(tg_equal(y[0], y[1]));
        for (k = 0; k < (m->kind == RMS ? 2 : 3); k++) CHECK_MSG(tg_equal(g[0][k], g[1][k]), "%s: gradient %d by other threads", names[m->kind], k);
        tg_end(tg, mark);
    }
}

/* Rows that no cache holds are taken a few together, and those to come are asked for early: the same bits as of three alone, also where
   they lie apart, or are all the same one. */
static void test_far(void) {
    static const int64_t sizes[][2] = { { 531, 700 }, { 1100, 257 }, { 67, 4095 }, { 65, 4097 }, { 4100, 65 } };
    size_t i;
    int how, plain, k;
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) for (how = 0; how < 3; how++) for (plain = 0; plain < 2; plain++) {
        tg_mark mark = tg_begin(tg);
        const int64_t rows = sizes[i][0], n = sizes[i][1];
        tg_tensor *w = plain ? NULL : tg_randn(tg, TG_SHAPE(n)), *b = plain ? NULL : tg_randn(tg, TG_SHAPE(n)), *seed = tg_randn(tg, TG_SHAPE(rows, n));
        tg_tensor *x = tg_randn(tg, TG_SHAPE(how == 2 ? 1 : rows, how == 1 ? n + 30 : n)), *y, *d;
        if (how == 1) x = tg_narrow(x, 1, 11, n);
        if (how == 2) x = tg_expand(x, TG_SHAPE(rows, n));
        x = tg_require_grad(tg_detach(x), true);
        y = tg_layer_norm(x, TG_SHAPE(n), w, b, eps);
        CHECK(tg_grad(&y, 1, &x, 1, &d, .grad_outputs = &seed));
        for (k = 0; k < 3; k++) {
            const int64_t from = k == 0 ? 0 : k == 1 ? rows / 2 : rows - 3;
            tg_tensor *three = tg_require_grad(tg_contiguous(tg_detach(tg_narrow(x, 0, from, 3))), true), *part = tg_narrow(seed, 0, from, 3), *y3, *d3;
            y3 = tg_layer_norm(three, TG_SHAPE(n), w, b, eps);
            CHECK(tg_grad(&y3, 1, &three, 1, &d3, .grad_outputs = &part)); CHECK_OK(tg);
            CHECK_MSG(tg_equal(tg_narrow(y, 0, from, 3), y3) && tg_equal(tg_narrow(d, 0, from, 3), d3), "rows %ld from %ld on, %ld long, kind %d", (long)rows, (long)from, (long)n, how);
        }
        tg_end(tg, mark);
    }
}

/* Of whole numbers local_response_norm is f32, as x's square may be more than its type holds. */
static void test_whole(void) {
    tg_mark m = tg_begin(tg);
    tg_tensor *x = tg_full(tg, TG_SHAPE(1, 4, 2), 100, TG_I8), *y = tg_local_response_norm(x, 2, 1e-4, 0.75, 1);
    CHECK(y && y->dtype == TG_F32 && tg_equal(y, tg_local_response_norm(tg_to(x, TG_F32), 2, 1e-4, 0.75, 1)));
    CHECK_OK(tg);
    tg_end(tg, m);
}
/* Every allocation fails in turn, forwards, back and back for the graph; running statistics change in a call that succeeds, or not at all. */
static void test_memory(void) {
    test_heap heap = TEST_HEAP;
    int kind, graph;
    for (kind = 0; kind < KINDS; kind++) for (graph = 0; graph < 2; graph++) for (heap.fail_at = 1; ; heap.fail_at++) {
        tg_ctx *own = test_open_heap(&heap);
        if (own) {
            const int64_t many = kind <= RMS ? 70 : 4;
            tg_tensor *in[3], *run[2], *g[3] = { NULL, NULL, NULL }, *y = NULL;
            bool ok;
            in[0] = tg_require_grad(tg_transpose(tg_rand(own, TG_SHAPE(4, 3, 70)), 0, 1), false); in[0] = tg_require_grad(tg_contiguous(in[0]), true);
            in[1] = tg_require_grad(tg_ones(own, TG_SHAPE(many)), true); in[2] = tg_require_grad(tg_ones(own, TG_SHAPE(many)), true);
            run[0] = tg_zeros(own, TG_SHAPE(4)); run[1] = tg_zeros(own, TG_SHAPE(4));
            switch (kind) {
                case LAYER: y = tg_layer_norm(in[0], TG_SHAPE(70), in[1], in[2], eps); break;
                case RMS: y = tg_rms_norm(in[0], TG_SHAPE(70), in[1], eps); break;
                case GROUP: y = tg_group_norm(in[0], 2, in[1], in[2], eps); break;
                case BATCH: y = tg_batch_norm(in[0], run[0], run[1], in[1], in[2], true, 0.5, eps); break;
                default: y = tg_instance_norm(in[0], run[0], run[1], in[1], in[2], true, 0.5, eps);
            }
            if (run[1] && kind >= BATCH) CHECK(y ? ((float *)run[1]->data)[0] > 0 : ((float *)run[0]->data)[0] == 0 && ((float *)run[1]->data)[0] == 0);
            y = y ? tg_sum(y) : NULL;
            ok = y && tg_grad(&y, 1, in, kind == RMS ? 2 : 3, g, .create_graph = graph);
            CHECK_MSG(ok ? !tg_failed(own) : tg_error(own) == TG_ERROR_MEMORY, "%s, graph %d, allocation %ld: %s", names[kind], graph, heap.fail_at, tg_error_text(own));
            tg_close(own);
        }
        if (!test_heap_ended(&heap)) break;
    }
}

/* A row whose first element lies far from all others: distances from it say little of them. */
static void test_outlier(void) {
    static const double far_off[] = { 1e4, 1e6, 1e8, -1e6 };
    tg_mark m = tg_begin(tg);
    const int64_t n = 10000;
    size_t k;
    for (k = 0; k < sizeof far_off / sizeof *far_off; k++) {
        tg_tensor *x = tg_full(tg, TG_SHAPE(1, n), 1.01, TG_F32), *y;
        double mean, variance, v = (double)1.01f, o = (double)(float)far_off[k];
        tg_fill_(tg_select(tg_select(x, 0, 0), 0, 0), o);
        y = tg_layer_norm(x, 1, &n, NULL, NULL, 0);
        mean = v + (o - v) / (double)n;
        variance = (o - mean) * (o - mean) / (double)n + (v - mean) * (v - mean) * (double)(n - 1) / (double)n;
        CHECK_NEAR(tg_item(tg_slice(y, "0, 1")) / ((v - mean) / sqrt(variance)), 1, 1e-5);
    }
    tg_end(tg, m);
}

/* A batch's own variance may be 0, so torch asks for an eps there; running variances need none. */
static void test_no_eps(void) {
    tg_mark m = tg_begin(tg);
    tg_tensor *x = tg_ones(tg, TG_SHAPE(2, 3, 4)), *one = tg_ones(tg, TG_SHAPE(3)), *zero = tg_zeros(tg, TG_SHAPE(3));
    CHECK(!tg_batch_norm(x, zero, one, NULL, NULL, true, 0.1, 0)); CHECK_ERROR(tg, TG_ERROR_VALUE);
    CHECK(!tg_batch_norm(x, NULL, NULL, NULL, NULL, true, 0.1, -1e-5)); CHECK_ERROR(tg, TG_ERROR_VALUE);
    CHECK(!tg_batch_norm(x, NULL, NULL, NULL, NULL, true, 0.1, NAN)); CHECK_ERROR(tg, TG_ERROR_VALUE);
    CHECK_NEAR(tg_item(tg_sum(zero)), 0, 0);
    CHECK_NEAR(tg_item(tg_sum(tg_batch_norm(x, zero, one, NULL, NULL, false, 0.1, 0))), 24, 0);
    CHECK_NEAR(tg_item(tg_sum(tg_batch_norm(x, zero, one, NULL, NULL, true, 0.1, 1e-12))), 0, 0);
    tg_end(tg, m);
}

int main(void) {
    tg = test_open();
    if (!tg) return test_end("norm");
    test_whole();
    test_no_eps();
    test_outlier();
    test_values();
    test_running();
    test_threads();
    test_far();
    test_memory();
    test_close(tg);
    return test_end("norm");
}
