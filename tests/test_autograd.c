/* run.sh flags: -Wl,--no-as-needed -lm */
/* The graph: gradients against results worked out by hand, any order, in-place operations and views, hooks, checkpoints, derivative products, gradcheck, ops of one's own, the tape. */
#include "test.h"
#include <math.h>

static tg_ctx *tg;

/* Element i of t in row-major order. */
static double el(tg_tensor *t, int64_t i) {
    int64_t index[TG_MAX_DIMS], d;
    if (!t || i >= t->numel) return (double)NAN;
    for (d = t->ndim - 1; d >= 0; d--) { index[d] = i % t->shape[d]; i /= t->shape[d]; }
    return tg_get(t, index);
}
static void check_values(tg_tensor *t, int64_t n, const double *want, double tolerance, const char *file, int line) {
    int64_t i;
    if (!test_check(t != NULL, file, line, "no tensor: %s", tg_error_text(tg))) return;
    if (!test_check(t->numel == n, file, line, "%.0f elements instead of %.0f", (double)t->numel, (double)n)) return;
    for (i = 0; i < n; i++)
        if (!test_check(test_near(el(t, i), want[i], tolerance * (1 + fabs(want[i]))), file, line, "element %d is %.9g, expected %.9g", (int)i, el(t, i), want[i])) return;
}
#define VALUES(t, ...) do { const double want_[] = { __VA_ARGS__ }; check_values(t, (int64_t)(sizeof want_ / sizeof want_[0]), want_, 1e-6, __FILE__, __LINE__); } while (0)
#define F64(...) from_f64((int64_t)(sizeof (double[]){ __VA_ARGS__ } / sizeof(double)), (const double[]){ __VA_ARGS__ })
static tg_tensor *from_f64(int64_t n, const double *v) { return tg_from(tg, 1, &n, TG_F64, v); }
static tg_tensor *leaf(tg_tensor *t) { return tg_require_grad(t, true); }
static bool same_bits(tg_tensor *a, tg_tensor *b) {
    size_t size;
    char *p, *q;
    bool same;
    if (!a || !b || a->dtype != b->dtype || a->numel != b->numel) return false;
    size = (size_t)a->numel * tg_dtype_size(a->dtype);
    p = (char *)malloc(size + 1); q = (char *)malloc(size + 1);
    same = tg_read(a, p, size) && tg_read(b, q, size) && !memcmp(p, q, size);
    free(p); free(q);
    return same;
}
static tg_mark part_mark;
static tg_memory_info part_memory;
static void part_begin(void) { part_memory = tg_memory(tg); part_mark = tg_begin(tg); }
static void part_end(const char *file, int line) {
    tg_memory_info m;
    test_check(!tg_failed(tg), file, line, "an error is pending: %s", tg_error_text(tg));
    tg_clear(tg);
    tg_end(tg, part_mark);
    m = tg_memory(tg);
    test_check(m.live_tensors == part_memory.live_tensors && m.live_nodes == part_memory.live_nodes, file, line, "%d tensors and %d nodes were left behind",
               (int)(m.live_tensors - part_memory.live_tensors), (int)(m.live_nodes - part_memory.live_nodes));
    tg_grad_mode(tg, true); tg_anomaly(tg, false);
}
#define BEGIN part_begin()
#define END part_end(__FILE__, __LINE__)

/* ---- by hand ---- */
static void test_hand(void) {
    BEGIN;
    { tg_tensor *x = leaf(F64(1, 2, 3)); CHECK(tg_backward(tg_sum(tg_mul(tg_mul(x, x), x)))); VALUES(x->grad, 3, 12, 27); CHECK(x->grad->dtype == TG_F64 && !x->grad->requires_grad); }
    { tg_tensor *a = leaf(tg_reshape(F64(1, 2, 3, 4, 5, 6), TG_SHAPE(2, 3))), *b = leaf(F64(7, 8, 9)), *a2 = tg_detach(a);
      /* a reshape of a leaf's data is no leaf of its own here: a is made by reshape of a plain tensor */
      CHECK(tg_backward(tg_sum(tg_mul(a, b)))); VALUES(a->grad, 7, 8, 9, 7, 8, 9); VALUES(b->grad, 5, 7, 9); CHECK(!a2->requires_grad); }
    { tg_tensor *a = leaf(tg_reshape(F64(1, 2, 3, 4, 5, 6), TG_SHAPE(2, 3))), *b = leaf(tg_reshape(F64(1, -1, 2, 0, 3, 1), TG_SHAPE(3, 2))), *w = tg_reshape(F64(1, 2, 3, 4), TG_SHAPE(2, 2));
      CHECK(tg_backward(tg_matmul(a, b), .gradient = w)); VALUES(a->grad, -1, 2, 5, -1, 6, 13); VALUES(b->grad, 13, 18, 17, 24, 21, 30); }
    { tg_tensor *x = leaf(F64(0, 0, 0)), *y = tg_cross_entropy(tg_unsqueeze(x, 0), tg_full(tg, TG_SHAPE(1), 2, TG_I64));
      CHECK_NEAR(tg_item(y), log(3.0), 1e-12); CHECK(tg_backward(y)); VALUES(x->grad, 1 / 3., 1 / 3., -2 / 3.); }
    { tg_tensor *x = leaf(F64(3, 1, 3)); CHECK(tg_backward(tg_max(x))); VALUES(x->grad, 0.5, 0, 0.5); }
    { tg_tensor *x = leaf(F64(3, 1, 3)), *i; CHECK(tg_backward(tg_max_dim(x, 0, false, &i))); VALUES(x->grad, 1, 0, 0); CHECK(!i->requires_grad && tg_item_i64(i) == 0); }
    { tg_tensor *x = leaf(F64(-1, 0, 2)); CHECK(tg_backward(tg_sum(tg_relu(x)))); VALUES(x->grad, 0, 0, 1); }
    { tg_tensor *x = leaf(F64(-1, 0, 2)); CHECK(tg_backward(tg_sum(tg_abs(x)))); VALUES(x->grad, -1, 0, 1); }
    { tg_tensor *x = leaf(F64(1, 2)), *y = leaf(F64(1, 5)); CHECK(tg_backward(tg_sum(tg_maximum(x, y)))); VALUES(x->grad, 0.5, 0); VALUES(y->grad, 0.5, 1); }
    { tg_tensor *x = leaf(F64(1, 2, 4)); CHECK(tg_backward(tg_mean(tg_square(x)))); VALUES(x->grad, 2 / 3., 4 / 3., 8 / 3.); }
    { tg_tensor *x = leaf(F64(1, 2, 4)); CHECK(tg_backward(tg_var_dims(x, 0, NULL, 1, false))); VALUES(x->grad, -4 / 3., -1 / 3., 5 / 3.); }
    { tg_tensor *x = leaf(F64(2, 0, 4)); CHECK(tg_backward(tg_prod(x))); VALUES(x->grad, 0, 8, 0); }
    { tg_tensor *x = leaf(F64(3, 1, 2)), *i; CHECK(tg_backward(tg_sum(tg_mul(tg_sort(x, 0, false, &i), F64(10, 20, 30))))); VALUES(x->grad, 30, 10, 20); }
    { tg_tensor *x = leaf(F64(3, 1, 2)); CHECK(tg_backward(tg_sum(tg_mul(tg_slice(x, "::-1"), F64(10, 20, 30))))); VALUES(x->grad, 30, 20, 10); }
    { tg_tensor *x = leaf(F64(3, 1, 2)); CHECK(tg_backward(tg_sum(tg_expand(x, TG_SHAPE(4, 3))))); VALUES(x->grad, 4, 4, 4); }
    { tg_tensor *x = leaf(F64(1, 2, 3, 4)); int64_t shape[2] = { 3, 2 }, stride[2] = { 1, 1 };
      CHECK(tg_backward(tg_sum(tg_as_strided(x, 2, shape, stride, 0)))); VALUES(x->grad, 1, 2, 2, 1); }
    { tg_tensor *x = leaf(F64(1, 2)), *list[3]; list[0] = x; list[1] = x; list[2] = F64(5); CHECK(tg_backward(tg_cat(list, 3, 0), .gradient = F64(1, 2, 3, 4, 5))); VALUES(x->grad, 4, 6); }
    { tg_tensor *x = leaf(tg_ones(tg, TG_SHAPE(3))), *y = tg_to(x, TG_F64); CHECK(tg_backward(tg_sum(tg_mul(y, F64(1, 2, 3))))); VALUES(x->grad, 1, 2, 3); CHECK(x->grad->dtype == TG_F32); }
    { tg_tensor *x = leaf(tg_to(tg_ones(tg, TG_SHAPE(2)), TG_BF16)), *y = leaf(tg_ones(tg, TG_SHAPE(2))); CHECK(tg_backward(tg_sum(tg_mul(x, y)))); CHECK(x->grad->dtype == TG_BF16 && y->grad->dtype == TG_F32); }
    { tg_tensor *x = leaf(tg_number(tg, 3)), *y = tg_mul(x, x); CHECK(y->ndim == 0 && tg_backward(y)); CHECK(x->grad->ndim == 0); VALUES(x->grad, 6); }
    { tg_tensor *x = leaf(tg_zeros(tg, TG_SHAPE(0, 3))), *w = leaf(tg_ones(tg, TG_SHAPE(3, 2))), *y = tg_matmul(x, w);
      CHECK(y->shape[0] == 0 && tg_backward(tg_sum(y))); CHECK(x->grad && x->grad->numel == 0 && x->grad->ndim == 2); VALUES(w->grad, 0, 0, 0, 0, 0, 0); }
    { tg_tensor *x = leaf(F64(1, 2, 3)), *y = tg_where(tg_gt_scalar(x, 1.5), tg_square(x), tg_neg(x)); CHECK(tg_backward(tg_sum(y))); VALUES(x->grad, -1, 4, 6); }
    { tg_tensor *x = leaf(F64(1, 2, 3)); CHECK(!tg_gt(x, x)->requires_grad && !tg_argmax(x)->requires_grad && !tg_to(x, TG_I64)->requires_grad && !tg_isnan(x)->requires_grad); }
    { tg_tensor *x = leaf(F64(1, 2)), *y = tg_add_scalar(x, 1); CHECK(tg_backward(tg_sum(y))); CHECK(tg_backward(tg_sum(y))); VALUES(x->grad, 2, 2); }   /* nothing saved: no need to retain */
    { tg_tensor *x = leaf(F64(4)), *y = tg_pow(x, tg_number(tg, 0.5)); CHECK(tg_backward(y)); VALUES(x->grad, 0.25); }
    { tg_tensor *x = leaf(F64(0)), *y = tg_pow(x, tg_number(tg, 0)); CHECK(tg_backward(y)); VALUES(x->grad, 0); }
    END;
}

/* ---- accumulating, keeping, reusing ---- */
static void test_accumulate(void) {
    BEGIN;
    { tg_tensor *x = leaf(F64(1, 2)), *g;
      CHECK(tg_backward(tg_sum(tg_square(x)))); g = x->grad; VALUES(g, 2, 4);
      CHECK(tg_backward(tg_sum(tg_mul_scalar(x, 10)))); VALUES(x->grad, 12, 14);
      CHECK(tg_zero_grad(x) && !x->grad); CHECK(tg_zero_grad(x));
      CHECK(tg_backward(tg_sum(x))); VALUES(x->grad, 1, 1); }
    { tg_tensor *x = leaf(F64(1, 2)), *kept, *y = tg_sum(tg_square(x));    /* a gradient that the user holds does not change under them when replaced */
      CHECK(tg_backward(y, .retain_graph = true)); kept = tg_keep(x->grad); tg_zero_grad(x);
      CHECK(tg_backward(y, .retain_graph = true)); CHECK(x->grad != kept); VALUES(kept, 2, 4); tg_drop(kept);
      CHECK(tg_backward(y)); VALUES(x->grad, 4, 8);
      CHECK(!tg_backward(y)); CHECK_ERROR(tg, TG_ERROR_GRAD); VALUES(x->grad, 4, 8); }
    { tg_tensor *x = leaf(F64(1, 2)), *g = F64(3, 4), *y = tg_add_scalar(x, 0);   /* the gradient that came in is not the gradient that is kept */
      CHECK(tg_backward(y, .gradient = g)); CHECK(tg_backward(tg_sum(x))); VALUES(x->grad, 4, 5); VALUES(g, 3, 4); }
    { tg_tensor *x = leaf(F64(1, 2)), *y = tg_exp(x), *l1 = tg_sum(y), *l2 = tg_sum(tg_square(y));     /* two losses over one graph */
      double e = exp(1), f = exp(2);
      CHECK(tg_backward(l1, .retain_graph = true)); VALUES(x->grad, e, f);
      CHECK(tg_backward(l2)); VALUES(x->grad, e + 2 * e * e, f + 2 * f * f); }
    { tg_tensor *x = leaf(F64(1, 2)), *y = tg_exp(x), *l1 = tg_sum(y), *l2 = tg_sum(tg_square(y));     /* without: the second finds exp used */
      CHECK(tg_backward(l1)); CHECK(!tg_backward(l2)); CHECK_ERROR(tg, TG_ERROR_GRAD); VALUES(x->grad, exp(1), exp(2)); }
    { tg_tensor *x = leaf(F64(2)), *y; int i; y = x; for (i = 0; i < 10; i++) y = tg_add(y, y); CHECK(tg_backward(y)); VALUES(x->grad, 1024); }
    { tg_tensor *x = leaf(F64(2)); CHECK(tg_backward(x)); VALUES(x->grad, 1); }       /* a leaf is its own loss */
    END;
}

/* ---- tg_grad ---- */
static void test_grad(void) {
    BEGIN;
    { tg_tensor *x = leaf(F64(1, 2)), *y = tg_square(x), *z = tg_sum(tg_exp(y)), *in[2], *g[2]; in[0] = x; in[1] = y;
      CHECK(tg_grad(&z, 1, in, 2, g)); VALUES(g[0], 2 * exp(1), 4 * exp(4)); VALUES(g[1], exp(1), exp(4)); CHECK(!x->grad && !y->grad); }
    { tg_tensor *x = leaf(F64(1, 2)), *out[2], *w[2], *g; out[0] = tg_mul_scalar(x, 2); out[1] = tg_square(x); w[0] = F64(1, 1); w[1] = F64(1, 10);
      CHECK(tg_grad(out, 2, &x, 1, &g, .grad_outputs = w)); VALUES(g, 4, 42); }
    { tg_tensor *x = leaf(F64(3)), *in[2], *g[2], *y = tg_mul(x, x); in[0] = in[1] = x; CHECK(tg_grad(&y, 1, in, 2, g)); VALUES(g[0], 6); VALUES(g[1], 6); }
    { tg_tensor *x = leaf(F64(3)), *u = leaf(F64(3)), *in[2], *g[2], *y = tg_mul(x, x); in[0] = u; in[1] = x; CHECK(tg_grad(&y, 1, in, 2, g, .allow_unused = true)); CHECK(!g[0]); VALUES(g[1], 6); }
    { tg_tensor *x = leaf(F64(3)), *g; CHECK(tg_grad(&x, 1, &x, 1, &g)); VALUES(g, 1); }
    { tg_tensor *x = leaf(F64(2)), *y = tg_mul(tg_mul(x, x), tg_mul(x, x)), *g;      /* x^4 */
      CHECK(tg_grad(&y, 1, &x, 1, &g, .create_graph = true)); VALUES(g, 32); CHECK(g->requires_grad);
      y = g; CHECK(tg_grad(&y, 1, &x, 1, &g, .create_graph = true)); VALUES(g, 48);
      y = g; CHECK(tg_grad(&y, 1, &x, 1, &g, .create_graph = true)); VALUES(g, 48);
      y = g; CHECK(tg_grad(&y, 1, &x, 1, &g)); VALUES(g, 24); CHECK(!g->requires_grad); }
    { double t = tanh(0.7), s = 1 - t * t; tg_tensor *x = leaf(F64(0.7)), *y = tg_tanh(x), *g;
      CHECK(tg_grad(&y, 1, &x, 1, &g, .create_graph = true)); VALUES(g, s);
      y = g; CHECK(tg_grad(&y, 1, &x, 1, &g, .create_graph = true)); VALUES(g, -2 * t * s);
      y = g; CHECK(tg_grad(&y, 1, &x, 1, &g)); VALUES(g, s * (6 * t * t - 2)); }
    { tg_tensor *x = leaf(F64(0.5, 1.5)), *y = tg_sum(tg_mul(tg_sin(x), tg_exp(x))), *g; int k;                      /* orders 1, 2, 3 of e^x sin x */
      double v[2] = { 0.5, 1.5 };
      for (k = 1; k <= 3; k++) {
          double want[2]; int i;
          for (i = 0; i < 2; i++) want[i] = pow(sqrt(2.0), k) * exp(v[i]) * sin(v[i] + k * 3.14159265358979323846 / 4);
          CHECK(tg_grad(&y, 1, &x, 1, &g, .create_graph = true)); check_values(g, 2, want, 1e-9, __FILE__, __LINE__);
          y = tg_sum(g); } }
    { tg_tensor *x = leaf(tg_reshape(F64(0.1, -0.2, 0.3, 0.4, 0.5, -0.6), TG_SHAPE(2, 3))), *w = leaf(tg_reshape(F64(0.2, 0.1, -0.3), TG_SHAPE(3, 1))), *y, *g, *h;   /* a gradient penalty */
      y = tg_sum(tg_square(tg_matmul(x, w)));                            /* d/dx = 2 (xw) w^T; |d/dx|^2 = 4 sum (x_r w)^2 |w|^2 */
      CHECK(tg_grad(&y, 1, &x, 1, &g, .create_graph = true));
      h = tg_sum(tg_square(g)); CHECK(tg_backward(h));
      { double s0 = 0.1 * 0.2 - 0.2 * 0.1 - 0.09, s1 = 0.08 + 0.05 + 0.18, ww = 0.04 + 0.01 + 0.09, c0 = 8 * s0 * ww, c1 = 8 * s1 * ww;
        VALUES(x->grad, c0 * 0.2, c0 * 0.1, c0 * -0.3, c1 * 0.2, c1 * 0.1, c1 * -0.3);
        VALUES(w->grad, 8 * ww * (s0 * 0.1 + s1 * 0.4) + 8 * (s0 * s0 + s1 * s1) * 0.2, 8 * ww * (s0 * -0.2 + s1 * 0.5) + 8 * (s0 * s0 + s1 * s1) * 0.1,
               8 * ww * (s0 * 0.3 + s1 * -0.6) + 8 * (s0 * s0 + s1 * s1) * -0.3); } }
    { tg_tensor *x = leaf(F64(3)), *y = tg_mul(tg_square(x), x); CHECK(tg_backward(y, .create_graph = true)); CHECK(x->grad->requires_grad); VALUES(x->grad, 27);   /* .grad with a graph */
      y = x->grad; tg_keep(y); tg_zero_grad(x); CHECK(tg_backward(y)); VALUES(x->grad, 18); tg_drop(y); tg_zero_grad(x); }
    { tg_tensor *x = leaf(F64(1)), *y = tg_square(x), *g = NULL; tg_grad_args a; memset(&a, 0, sizeof a); (void)y;     /* what is missing is said */
      a.outputs = &y; a.n_outputs = 1; a.inputs = &x; a.n_inputs = 1;
      CHECK(!tg_grad_from(&a)); CHECK_ERROR(tg, TG_ERROR_NULL);
      y = NULL; a.gradients = &g; CHECK(!tg_grad_from(&a)); CHECK_ERROR(tg, TG_ERROR_NULL);
      y = tg_square(x); a.n_inputs = 0; CHECK(!tg_grad_from(&a)); CHECK_ERROR(tg, TG_ERROR_VALUE);
      CHECK(!tg_grad_from(NULL)); CHECK_OK(tg); }
    END;
}

/* ---- hooks ---- */
static int hook_calls;
static double hook_sum;
static tg_tensor *hook_look(void *user, tg_tensor *g) { (void)user; hook_calls++; hook_sum += tg_item(tg_sum(g)); return NULL; }
static tg_tensor *hook_times(void *user, tg_tensor *g) { hook_calls++; return tg_mul_scalar(g, *(double *)user); }
static tg_tensor *hook_plus1(void *user, tg_tensor *g) { (void)user; return tg_add_scalar(g, 1); }
static tg_tensor *hook_wrong(void *user, tg_tensor *g) { (void)user; return tg_ones(g->tg, TG_SHAPE(7)); }
static tg_tensor *hook_type(void *user, tg_tensor *g) { (void)user; return tg_to(g, TG_F32); }
static tg_tensor *hook_dead(void *user, tg_tensor *g) { tg_mark m = tg_begin(g->tg); tg_tensor *t = tg_neg(g); (void)user; tg_end(g->tg, m); return t; }
static tg_tensor *hook_strange(void *user, tg_tensor *g) { (void)g; return (tg_tensor *)user; }
static tg_tensor *hook_fails(void *user, tg_tensor *g) { (void)user; return tg_view(g, TG_SHAPE(1000)); }
static tg_tensor *hook_backward(void *user, tg_tensor *g) {              /* a whole backward of another graph inside */
    tg_tensor *x = (tg_tensor *)user;
    bool was = tg_grad_mode(g->tg, true);                                /* hooks run in the mode of the walk */
    hook_calls++;
    CHECK(tg_backward(tg_sum(tg_square(x))));
    tg_grad_mode(g->tg, was);
    return NULL;
}
typedef struct inner_graph { tg_tensor *y; tg_tensor *x; tg_tensor *got; bool busy; } inner_graph;
static tg_tensor *hook_same_graph(void *user, tg_tensor *g) {            /* a walk over the very graph that is being walked */
    inner_graph *i = (inner_graph *)user;
    (void)g;
    if (i->busy) return NULL;
    i->busy = true;
    CHECK(tg_grad(&i->y, 1, &i->x, 1, &i->got, .retain_graph = true));
    tg_keep(i->got);
    return NULL;
}
static tg_tensor *hook_writes(void *user, tg_tensor *g) { (void)tg_mul_scalar_(g, *(double *)user); return NULL; }
/* The derivative of a sum is the tensor that came in: whoever gets it from outside may write to it all the same. */
static void test_handed_on(void) {
    double ten = 10;
    BEGIN;
    { tg_tensor *in[2], *g[2], *w = F64(3, 4), *y; in[0] = leaf(F64(1, 2)); in[1] = leaf(F64(5, 6)); y = tg_add(in[0], in[1]);
      CHECK(tg_grad(&y, 1, in, 2, g, .grad_outputs = &w)); CHECK(g[0] != g[1] && g[0] != w && g[1] != w);
      CHECK(tg_mul_scalar_(g[0], 5)); VALUES(g[0], 15, 20); VALUES(g[1], 3, 4); VALUES(w, 3, 4); }
    { tg_tensor *x = leaf(F64(1, 2)), *g, *y = tg_sum(tg_add_scalar(x, 3)); CHECK(tg_grad(&y, 1, &x, 1, &g)); CHECK(tg_add_scalar_(g, 1)); VALUES(g, 2, 2); }
    { tg_tensor *x = leaf(F64(1, 2)), *g, *w = leaf(F64(3, 4)), *y = tg_sub(x, F64(1, 1)); CHECK(tg_grad(&y, 1, &x, 1, &g, .grad_outputs = &w)); VALUES(g, 3, 4); CHECK(!g->requires_grad); }
    { tg_tensor *a = leaf(F64(1, 2)), *b = leaf(F64(3, 4)), *h = tg_square(a), *w = F64(1, 1); CHECK(tg_hook(h, hook_writes, &ten)); CHECK(tg_backward(tg_add(h, b), .gradient = w));
      VALUES(a->grad, 20, 40); VALUES(b->grad, 1, 1); VALUES(w, 1, 1); }
    { tg_tensor *a = leaf(F64(1, 2)), *b = leaf(F64(3, 4)); CHECK(tg_backward(tg_sum(tg_add(tg_add(a, b), tg_add(a, b))))); VALUES(a->grad, 2, 2); VALUES(b->grad, 2, 2);
      CHECK(a->grad != b->grad && tg_zero_(a->grad)); VALUES(b->grad, 2, 2); }
    END;
}
static tg_tensor *hook_shares(void *user, tg_tensor *g) { (void)g; return tg_share(tg, (tg_tensor *)user); }
/* Parts of one tensor add to what has arrived for the whole, in place: not where that is somebody else's too, nor where it has a derivative itself. */
static void test_parts(void) {
    double ten = 10;
    BEGIN;
    { tg_tensor *x = leaf(tg_reshape(tg_arange(tg, 0, 6, 1, TG_F64), TG_DIMS(3, 2))), *y = NULL; int64_t i;
      for (i = 0; i < 3; i++) { tg_tensor *part = tg_mul_scalar(tg_select(x, 0, i), (double)(i + 1)); y = y ? tg_add(y, part) : part; }
      CHECK(tg_backward(tg_sum(tg_mul(y, F64(1, 10))))); VALUES(x->grad, 1, 10, 2, 20, 3, 30); }
    { tg_tensor *x = leaf(F64(1, 2, 3, 4, 5)), *y = tg_add(tg_sum(tg_slice(x, "1:4")), tg_sum(tg_mul(tg_slice(x, "::-2"), F64(10, 20, 30))));       /* overlapping, backwards, with gaps */
      CHECK(tg_backward(tg_add(y, tg_sum(tg_slice(x, "3:3"))))); VALUES(x->grad, 30, 1, 21, 1, 10); CHECK(tg_backward(tg_sum(tg_slice(x, "4:")))); VALUES(x->grad, 30, 1, 21, 1, 11); }
    { tg_tensor *a = leaf(F64(1, 2, 3)), *b = leaf(F64(1, 1, 1)), *h = tg_square(a), *part = tg_slice(h, "1:"), *s = tg_add(h, b);        /* b is given the very tensor that h is */
      CHECK(tg_backward(tg_add(tg_sum(tg_mul(s, F64(1, 2, 3))), tg_sum(part)))); VALUES(a->grad, 2, 12, 24); VALUES(b->grad, 1, 2, 3); }
    { tg_tensor *x = leaf(F64(1, 2, 3)), *w = F64(5, 6, 7), *h = tg_mul_scalar(x, 1), *part = tg_slice(h, ":2"); CHECK(tg_retain_grad(h) && tg_hook(h, hook_times, &ten));
      CHECK(tg_backward(tg_add(tg_sum(tg_mul(h, w)), tg_sum(part)))); VALUES(h->grad, 6, 7, 7); VALUES(x->grad, 60, 70, 70); VALUES(w, 5, 6, 7); tg_zero_grad(h); }
    { tg_tensor *x = leaf(F64(1, 2, 3)), *o = tg_mul_scalar(leaf(F64(7, 7, 7, 7)), 1), *first = tg_select(o, 0, 0); int64_t i;                                 /* places written one after another, one of them twice */
      for (i = 0; i < 3; i++) CHECK(tg_copy_(tg_select(o, 0, i), tg_mul_scalar(tg_select(x, 0, i), 10)));
      CHECK(tg_copy_(tg_slice(o, "2:"), tg_slice(x, "1:"))); CHECK(tg_mul_scalar_(first, 2));
      CHECK(tg_backward(tg_sum(tg_add(tg_mul(o, F64(1, 2, 3, 4)), first)))); VALUES(o, 20, 20, 2, 3); VALUES(x->grad, 20 * (1 + 4), 20 + 3, 4); }
    { tg_tensor *in[2], *g[2], *y, *w = F64(1, 2, 3), *o; in[0] = leaf(F64(1, 2, 3)); in[1] = leaf(F64(5)); o = tg_mul_scalar(in[0], 1); CHECK(tg_copy_(tg_slice(o, "1:2"), in[1]));
      y = o; CHECK(tg_grad(&y, 1, in, 2, g, .grad_outputs = &w)); VALUES(g[0], 1, 0, 3); VALUES(g[1], 2); VALUES(w, 1, 2, 3); }                                    /* the caller's gradient stays */
    { tg_tensor *x = leaf(tg_reshape(F64(1, 2, 3, 4, 5, 6), TG_DIMS(3, 2))), *two = tg_to(F64(2, 2), TG_I64), *y;                                            /* rows by number, some of them often */
      y = tg_add(tg_sum(tg_index_select(x, 0, two)), tg_mul_scalar(tg_sum(tg_index_select(x, 0, tg_to(F64(0), TG_I64))), 3));
      y = tg_add(y, tg_add(tg_sum(tg_embedding(two, x)), tg_sum(tg_gather(x, 1, tg_to(tg_reshape(F64(1, 0), TG_DIMS(2, 1)), TG_I64)))));
      CHECK(tg_backward(tg_add(y, tg_sum(tg_slice(x, "1:2"))))); VALUES(x->grad, 3, 4, 2, 1, 4, 4); }
    { tg_ctx *far = test_open(); const int64_t three = 3; const double v[3] = { 1, 2, 3 }; tg_tensor *theirs = tg_from(far, 1, &three, TG_F64, v), *x = leaf(F64(1, 2, 3)), *h = tg_mul_scalar(x, 1);      /* a gradient that another context has too */
      tg_tensor *y = tg_sum(tg_index_select(h, 0, tg_to(F64(1, 2), TG_I64))), *all = tg_add_scalar(h, 0); CHECK(tg_hook(all, hook_shares, theirs));
      CHECK(tg_backward(tg_add(y, tg_sum(all)))); VALUES(x->grad, 1, 3, 4); CHECK_NEAR(((double *)theirs->data)[1], 2, 0); CHECK(theirs->count == 1); tg_zero_grad(x); test_close(far); }
    { tg_tensor *x = leaf(F64(1, 2, 3)), *g, *gg, *y = tg_sum(tg_mul(tg_square(tg_slice(x, ":2")), tg_slice(x, "1:")));                              /* a^2 b + b^2 c */
      CHECK(tg_grad(&y, 1, &x, 1, &g, .create_graph = true)); VALUES(g, 4, 13, 4); y = tg_sum(tg_square(g));
      CHECK(tg_grad(&y, 1, &x, 1, &gg)); VALUES(gg, 4 * 4 * 2 + 2 * 13 * 2, 2 * 4 * 2 + 2 * 13 * 6 + 2 * 4 * 4, 2 * 13 * 4); }                        /* g = 2ab, a^2 + 2bc, b^2 */
    END;
}
static void test_hooks(void) {
    double two = 2, three = 3;
    BEGIN;
    hook_calls = 0; hook_sum = 0;
    { tg_tensor *x = leaf(F64(1, 2)); CHECK(tg_hook(x, hook_look, NULL)); CHECK(tg_backward(tg_sum(tg_square(x)))); CHECK_INT(hook_calls, 1); CHECK_NEAR(hook_sum, 6, 0); VALUES(x->grad, 2, 4); }
    { tg_tensor *x = leaf(F64(1, 2)), *y = tg_square(x); CHECK(tg_hook(y, hook_times, &two) && tg_hook(y, hook_plus1, NULL)); CHECK(tg_backward(tg_sum(y))); VALUES(x->grad, 6, 12); }  /* in order: 1 * 2 + 1 = 3 */
    { tg_tensor *x = leaf(F64(1, 2)), *y = tg_square(x); CHECK(tg_hook(x, hook_times, &three)); CHECK(tg_hook(x, hook_times, &two)); CHECK(tg_backward(tg_sum(y))); VALUES(x->grad, 12, 24); }
    hook_calls = 0;
    { tg_tensor *x = leaf(F64(1, 2)), *y = tg_add(x, x); CHECK(tg_hook(x, hook_times, &two)); CHECK(tg_backward(tg_sum(tg_mul(y, x)))); CHECK_INT(hook_calls, 1); VALUES(x->grad, 8, 16); }  /* once, with the whole sum */
    { tg_tensor *x = leaf(F64(1, 2)), *y = tg_square(x), *z = tg_exp(y); CHECK(tg_retain_grad(y) == y && tg_retain_grad(x) == x); CHECK(tg_backward(tg_sum(z))); VALUES(y->grad, exp(1), exp(4)); CHECK(!z->grad); tg_zero_grad(y); }
    { tg_tensor *x = leaf(F64(3)), *g, *y = tg_square(x); hook_calls = 0; CHECK(tg_hook(x, hook_times, &two)); CHECK(tg_grad(&y, 1, &x, 1, &g)); CHECK_INT(hook_calls, 1); VALUES(g, 12); }
    { tg_tensor *x = leaf(F64(3)), *g, *y = tg_square(x); CHECK(tg_hook(x, hook_times, &two)); CHECK(tg_grad(&y, 1, &x, 1, &g, .create_graph = true)); CHECK(tg_grad(&g, 1, &x, 1, &y)); VALUES(y, 8); }   /* d(2 * 2x)/dx = 4, hooked again: 8 */
    { tg_tensor *x = leaf(F64(1, 2)); CHECK(tg_hook(x, hook_wrong, NULL)); CHECK(!tg_backward(tg_sum(tg_square(x)))); CHECK_ERROR(tg, TG_ERROR_SHAPE); CHECK(!x->grad); }
    { tg_tensor *x = leaf(F64(1, 2)), *y = tg_square(x); CHECK(tg_hook(y, hook_wrong, NULL)); CHECK(!tg_backward(tg_sum(y))); CHECK_ERROR(tg, TG_ERROR_SHAPE); CHECK(!x->grad); }
    { tg_tensor *x = leaf(F64(1, 2)); CHECK(tg_hook(x, hook_type, NULL)); CHECK(!tg_backward(tg_sum(tg_square(x))) || x->grad->dtype == TG_F64); tg_clear(tg); }
    { tg_tensor *x = leaf(F64(1, 2)), *y; CHECK(tg_hook(x, hook_fails, NULL)); y = tg_sum(tg_square(x)); CHECK(!tg_backward(y, .retain_graph = true)); CHECK_ERROR(tg, TG_ERROR_SHAPE); CHECK(!x->grad); }
    hook_calls = 0;
    { tg_tensor *x = leaf(F64(1, 2)), *other = leaf(F64(5)), *y = tg_square(x); CHECK(tg_hook(y, hook_backward, other)); CHECK(tg_backward(tg_sum(y))); VALUES(other->grad, 10); VALUES(x->grad, 2, 4); CHECK_INT(hook_calls, 1); }
    { inner_graph i; tg_tensor *x = leaf(F64(1, 2)), *y = tg_square(x), *z = tg_sum(tg_exp(y)); i.x = x; i.y = tg_sum(y); i.got = NULL; i.busy = false; CHECK(tg_hook(y, hook_same_graph, &i));
      CHECK(tg_backward(z, .retain_graph = true)); VALUES(i.got, 2, 4); VALUES(x->grad, 2 * exp(1), 4 * exp(4)); tg_drop(i.got); }
    END;
}

/* ---- detach, grad mode, leaves ---- */
static void test_modes(void) {
    BEGIN;
    { tg_tensor *x = leaf(F64(2)), *d = tg_detach(tg_square(x)), *y = tg_mul(d, x); CHECK(!d->requires_grad); CHECK(tg_backward(y)); VALUES(x->grad, 4); }
    { tg_tensor *x = leaf(F64(2)), *y; bool was = tg_grad_mode(tg, false); CHECK(was); y = tg_square(x); CHECK(!y->requires_grad && !y->node); CHECK(!tg_grad_mode(tg, true)); CHECK(x->requires_grad); }
    { tg_tensor *x = leaf(F64(2)), *y = tg_square(x); CHECK(tg_require_grad(x, false) == x); CHECK(!x->requires_grad && !tg_square(x)->requires_grad); CHECK(y->requires_grad); CHECK(tg_backward(y)); CHECK(!x->grad); }
    { tg_tensor *x = F64(2), *y = tg_square(x); CHECK(!y->requires_grad); leaf(x); CHECK(!y->requires_grad); CHECK(tg_square(x)->requires_grad); }
    { tg_tensor *x = leaf(F64(1, 2)), *w; int i;                           /* a step by hand */
      for (i = 0; i < 3; i++) { CHECK(tg_backward(tg_sum(tg_square(x)))); tg_grad_mode(tg, false); w = tg_sub_(x, tg_mul_scalar(x->grad, 0.25)); tg_grad_mode(tg, true); CHECK(w == x); tg_zero_grad(x); }
      VALUES(x, 0.125, 0.25); CHECK(x->requires_grad); }
    { tg_tensor *x = leaf(F64(1, 2)), *y; tg_mark m = tg_begin(tg); y = tg_sum(tg_square(tg_exp(x))); CHECK(tg_end_with(tg, m, y) == y); CHECK(tg_backward(y)); VALUES(x->grad, 2 * exp(2), 2 * exp(4)); }  /* the graph outlives its scope */
    { tg_tensor *x, *y; tg_mark m = tg_begin(tg); x = leaf(F64(3)); y = tg_square(x); tg_end_with(tg, m, y); CHECK(tg_backward(y)); }                          /* the leaf is gone: nobody receives, nothing fails */
    END;
}

/* ---- in-place ---- */
static void test_inplace(void) {
    BEGIN;
    { tg_tensor *x = leaf(F64(1, 2)), *y = tg_mul_scalar(x, 2); CHECK(tg_exp_(y) == y); CHECK(tg_backward(tg_sum(y))); VALUES(x->grad, 2 * exp(2), 2 * exp(4)); }
    { tg_tensor *x = leaf(F64(1, 2)), *y = tg_clone(x); CHECK(tg_mul_(y, y) == y); VALUES(y, 1, 4); CHECK(tg_backward(tg_sum(y))); VALUES(x->grad, 2, 4); }
    { tg_tensor *x = leaf(F64(1, 2)), *y = tg_clone(x); CHECK(tg_mul_(y, y) && tg_mul_(y, y) && tg_add_(y, x)); CHECK(tg_backward(tg_sum(y))); VALUES(x->grad, 5, 33); }   /* x^4 + x */
    { tg_tensor *x = leaf(F64(1, 2)), *y = tg_clone(x), *g; CHECK(tg_mul_(y, x) && tg_mul_(y, x)); y = tg_sum(y); CHECK(tg_grad(&y, 1, &x, 1, &g, .create_graph = true)); VALUES(g, 3, 12); g = tg_sum(g); CHECK(tg_backward(g)); VALUES(x->grad, 6, 12); }
    { tg_tensor *x = leaf(F64(1, 2)), *y = tg_square(x), *z = tg_square(y); CHECK(tg_add_scalar(y, 1)); CHECK(tg_relu_(y)); CHECK(!tg_backward(tg_sum(z))); CHECK_ERROR(tg, TG_ERROR_GRAD); }
    { tg_tensor *x = leaf(F64(1, 2)), *y = tg_add_scalar(x, 1), *z = tg_add_scalar(y, 1); CHECK(tg_relu_(y)); CHECK(tg_backward(tg_sum(z))); VALUES(x->grad, 1, 1); }       /* add saves nothing: overwriting is fine */
    { tg_tensor *x = leaf(F64(1, 2)), *y = tg_exp(x), *d = tg_detach(y); CHECK(tg_zero_(d)); CHECK(!tg_backward(tg_sum(y))); CHECK_ERROR(tg, TG_ERROR_GRAD); }             /* through a detached header too */
    { tg_tensor *x = leaf(F64(1, 2)), *w = leaf(F64(5, 7)), *y = tg_mul(x, w); tg_grad_mode(tg, false); CHECK(tg_zero_(w)); tg_grad_mode(tg, true); CHECK(!tg_backward(tg_sum(y))); CHECK_ERROR(tg, TG_ERROR_GRAD); }
    { tg_tensor *x = leaf(F64(1, 2)), *y = tg_clone(x); CHECK(tg_fill_(y, 3)); CHECK(tg_backward(tg_sum(tg_mul(y, x)))); VALUES(x->grad, 3, 3); }
    { tg_tensor *x = leaf(F64(1, 2)), *y = tg_zeros(tg, TG_SHAPE(3, 2)), *z; CHECK(tg_copy_(y, x) == y && y->requires_grad); z = tg_sum(tg_mul(y, y)); CHECK(tg_backward(z)); VALUES(x->grad, 6, 12); CHECK(x->grad->dtype == TG_F64); }
    { tg_tensor *x = leaf(F64(1, 2)), *y = tg_clone(x), *z = leaf(F64(3, 4)); CHECK(tg_copy_(y, z)); CHECK(tg_backward(tg_sum(tg_square(y)))); VALUES(x->grad, 0, 0); VALUES(z->grad, 6, 8); }
    { tg_tensor *x = leaf(F64(1, 2)), *y = tg_clone(x); CHECK(tg_uniform_(y, 0, 1)); CHECK(tg_backward(tg_sum(y))); VALUES(x->grad, 0, 0); }
    END;
}

/* A view that is written to changes its base and every other view, in value and in the graph: what torch does. */
static void test_views(void) {
    BEGIN;
    { tg_tensor *x = leaf(tg_reshape(F64(1, 2, 3, 4, 5, 6), TG_SHAPE(2, 3))), *b = tg_mul_scalar(x, 2), *v1 = tg_select(b, 0, 0), *v2 = tg_select(b, 0, 0), *c = tg_select(b, 1, 1);
      CHECK(tg_mul_scalar(v1, 3) != NULL); CHECK(tg_mul_(v1, F64(3, 4, 5)) == v1);
      VALUES(b, 6, 16, 30, 8, 10, 12); VALUES(v2, 6, 16, 30); VALUES(c, 16, 10);
      CHECK(tg_backward(tg_add(tg_add(tg_sum(tg_mul(v2, F64(1, 10, 100))), tg_sum(tg_mul_scalar(b, 1000))), tg_sum(tg_mul_scalar(c, 7)))));
      VALUES(x->grad, 2 * 3 * 1001.0, 2 * 4 * 1017.0, 2 * 5 * 1100.0, 2000, 2014, 2000); }
    { tg_tensor *x = leaf(F64(1, 2, 3)), *b = tg_zeros(tg, TG_SHAPE(2, 3)), *row; b = tg_to(b, TG_F64); row = tg_select(b, 0, 1);          /* the base comes to need a gradient */
      CHECK(!b->requires_grad); CHECK(tg_copy_(row, x)); CHECK(b->requires_grad && row->requires_grad);
      CHECK(tg_backward(tg_sum(tg_mul(b, tg_reshape(F64(1, 2, 3, 4, 5, 6), TG_SHAPE(2, 3)))))); VALUES(x->grad, 4, 5, 6); }
    { tg_tensor *x = leaf(tg_reshape(F64(1, 2, 3, 4), TG_SHAPE(2, 2))), *b = tg_clone(x), *v = tg_select(b, 1, 0); CHECK(tg_zero_(v)); VALUES(b, 0, 2, 0, 4);
      CHECK(tg_backward(tg_sum(tg_square(b)))); VALUES(x->grad, 0, 4, 0, 8); }
    { tg_tensor *x = leaf(tg_reshape(F64(1, 2, 3, 4), TG_SHAPE(2, 2))), *b = tg_mul_scalar(x, 1), *t = tg_t(b), *r = tg_select(t, 0, 1);    /* a view of a view */
      CHECK(tg_mul_(r, F64(10, 100))); VALUES(b, 1, 20, 3, 400); VALUES(t, 1, 3, 20, 400);
      CHECK(tg_backward(tg_sum(tg_mul(t, tg_reshape(F64(1, 2, 3, 4), TG_SHAPE(2, 2)))))); VALUES(x->grad, 1, 30, 2, 400); }
    { tg_tensor *x = leaf(F64(1, 2, 3, 4, 5)), *b = tg_mul_scalar(x, 1), *v = tg_slice(b, "::-2"), *w = tg_slice(b, "1:4");                 /* backwards, and overlapping */
      CHECK(tg_mul_scalar(v, 1)); CHECK(tg_mul_(v, F64(2, 3, 4))); VALUES(b, 4, 2, 9, 4, 10); VALUES(w, 2, 9, 4);
      CHECK(tg_exp_(w)); CHECK(tg_backward(tg_sum(b))); VALUES(x->grad, 4, exp(2), 3 * exp(9), exp(4), 2); }
    { tg_tensor *x = leaf(F64(1, 2, 3, 4)), *b = tg_mul_scalar(x, 2), *v = tg_narrow(b, 0, 1, 2); int i;                                   /* again and again */
      for (i = 0; i < 5; i++) CHECK(tg_mul_(v, F64(2, 2)));
      CHECK(tg_mul_(b, F64(1, 1, 3, 1))); VALUES(v, 128, 576); CHECK(tg_backward(tg_sum(v))); VALUES(x->grad, 0, 64, 192, 0); }
    { tg_tensor *x = leaf(F64(1, 2)), *b = tg_mul_scalar(x, 1), *v = tg_narrow(b, 0, 0, 1), *y; CHECK(tg_square_(v)); y = tg_sum(tg_mul(b, b));          /* second order through a write */
      { tg_tensor *g; CHECK(tg_grad(&y, 1, &x, 1, &g, .create_graph = true)); VALUES(g, 4, 4); g = tg_sum(g); CHECK(tg_backward(g)); VALUES(x->grad, 12, 2); } }
    { tg_tensor *x = leaf(F64(1, 2)), *b = tg_exp(x), *v = tg_narrow(b, 0, 0, 1); CHECK(tg_zero_(v)); CHECK(!tg_backward(tg_sum(b))); CHECK_ERROR(tg, TG_ERROR_GRAD); }   /* exp needs its result */
    { tg_tensor *x = leaf(F64(1, 2)), *b = tg_mul_scalar(x, 1), *y, *v; y = tg_mul(b, b); v = tg_select(b, 0, 1); CHECK(tg_zero_(v)); CHECK(!tg_backward(tg_sum(y))); CHECK_ERROR(tg, TG_ERROR_GRAD); }
    { tg_tensor *x = leaf(tg_reshape(F64(1, 2, 3, 4), TG_SHAPE(2, 2))), *b = tg_contiguous(tg_t(tg_mul_scalar(x, 1))), *v = tg_flatten(b, 0, 1); CHECK(tg_mul_(v, F64(1, 2, 3, 4)));
      CHECK(tg_backward(tg_sum(b))); VALUES(x->grad, 1, 3, 2, 4); }
    { tg_tensor *x = leaf(tg_reshape(F64(1, 2, 3, 4), TG_SHAPE(2, 2))), *b = tg_t(x), *c = tg_mul_scalar(b, 1), *v = tg_select(c, 0, 0); CHECK(c->stride[0] == 1);     /* a base that is not row-major */
      CHECK(tg_mul_(v, F64(5, 7))); CHECK(tg_backward(tg_sum(tg_mul(c, tg_reshape(F64(1, 2, 3, 4), TG_SHAPE(2, 2)))))); VALUES(x->grad, 5, 3, 14, 4); }
    { tg_tensor *x = leaf(F64(1, 2)), *b = tg_mul_scalar(x, 3), *v = tg_narrow(b, 0, 0, 1), *d; hook_calls = 0; CHECK(tg_retain_grad(b)); CHECK(tg_mul_(v, F64(2))); d = tg_detach(v); CHECK(!d->requires_grad); CHECK(tg_backward(tg_sum(b))); VALUES(x->grad, 6, 3); }
    { tg_tensor *x = leaf(F64(1, 2)), *b = tg_mul_scalar(x, 1), *v; tg_grad_mode(tg, false); v = tg_narrow(b, 0, 0, 1); tg_grad_mode(tg, true); VALUES(v, 1); CHECK(!v->requires_grad); }
    END;
}

/* ---- checkpoint ---- */
typedef struct net { tg_tensor *w1, *w2; bool drop; int runs; int depth; } net;
static bool net_part(void *user, tg_tensor *const *in, int n_in, tg_tensor **out, int n_out) {
    net *n = (net *)user;
    tg_tensor *h = tg_tanh(tg_matmul(in[0], n->w1));
    (void)n_in; (void)n_out;
    n->runs++;
    if (n->drop) h = tg_dropout(h, 0.5, true);
    out[0] = tg_matmul(h, n->w2);
    return out[0] != NULL;
}
static bool net_nested(void *user, tg_tensor *const *in, int n_in, tg_tensor **out, int n_out) {
    net *n = (net *)user;
    tg_function_call c;
    tg_tensor *h = tg_sin(in[0]);
    (void)n_in; (void)n_out;
    c.f = net_part; c.user = n; c.inputs = &h; c.n_inputs = 1; c.n_outputs = 1;
    if (!tg_checkpoint(&c, out)) return false;
    out[0] = tg_mul(out[0], out[0]);
    return out[0] != NULL;
}
static bool two_outputs(void *user, tg_tensor *const *in, int n_in, tg_tensor **out, int n_out) {
    (void)user; (void)n_in; (void)n_out;
    out[0] = tg_mul(in[0], in[1]); out[1] = tg_exp(in[0]);
    return out[1] != NULL;
}
static bool passes_on(void *user, tg_tensor *const *in, int n_in, tg_tensor **out, int n_out) { (void)user; (void)n_in; (void)n_out; out[0] = in[0]; return true; }

static void test_checkpoint(void) {
    int nested, drop, mode;
    BEGIN;
    for (nested = 0; nested < 2; nested++) for (drop = 0; drop < 2; drop++) for (mode = 0; mode < 3; mode++) {
        tg_tensor *x = leaf(tg_randn(tg, TG_SHAPE(5, 4))), *grads[2][3], *y[2], *loss;
        net n; tg_function_call c; int k, i; tg_random_state before, after[2];
        n.w1 = leaf(tg_randn(tg, TG_SHAPE(4, 6))); n.w2 = leaf(tg_randn(tg, TG_SHAPE(6, 3))); n.drop = drop != 0; n.runs = 0;
        before = tg_random_get(tg);
        for (k = 0; k < 2; k++) {
            tg_tensor *in[3]; in[0] = x; in[1] = n.w1; in[2] = n.w2;
            tg_random_set(tg, before);
            c.f = nested ? net_nested : net_part; c.user = &n; c.inputs = &x; c.n_inputs = 1; c.n_outputs = 1;
            n.runs = 0;
            if (k) CHECK(tg_checkpoint(&c, &y[k]));
            else CHECK(c.f(&n, &x, 1, &y[k], 1));
            if (k) CHECK_INT(n.runs, 1);
            loss = tg_sum(tg_square(y[k]));
            if (mode == 0) { CHECK(tg_backward(loss)); for (i = 0; i < 3; i++) { grads[k][i] = in[i]->grad ? tg_clone(in[i]->grad) : NULL; tg_zero_grad(in[i]); } }
            else if (mode == 1) CHECK(tg_grad(&loss, 1, in, 3, grads[k]));
            else {
                tg_tensor *s;
                CHECK(tg_grad(&loss, 1, in, 3, grads[k], .create_graph = true));
                s = tg_add(tg_add(tg_sum(tg_square(grads[k][0])), tg_sum(tg_square(grads[k][1]))), tg_sum(tg_square(grads[k][2])));
                CHECK(tg_grad(&s, 1, in, 3, grads[k]));
            }
            if (k && mode == 0) CHECK_INT(n.runs, nested ? 3 : 2);     /* nested: forward, then the outer replay, which runs the inner forward and its replay */
            after[k] = tg_random_get(tg);
        }
        CHECK_MSG(same_bits(y[0], y[1]), "outputs differ (nested %d, dropout %d, mode %d)", nested, drop, mode);
        for (i = 0; i < 3; i++) {
            if (mode < 2) CHECK_MSG(same_bits(grads[0][i], grads[1][i]), "gradient %d differs (nested %d, dropout %d, mode %d): %.9g %.9g", i, nested, drop, mode, el(grads[0][i], 0), el(grads[1][i], 0));
            else CHECK_MSG(grads[0][i] && grads[1][i] && tg_allclose(grads[0][i], grads[1][i], 1e-4, 1e-4), "second gradient %d differs (nested %d, dropout %d)", i, nested, drop);
        }
        CHECK_MSG(after[0].call == after[1].call, "the replay moved the random state: %d %d", (int)after[0].call, (int)after[1].call);
    }
    { tg_tensor *in[2], *out[2], *a = leaf(F64(1, 2)), *b = leaf(F64(3, 4)); tg_function_call c = { two_outputs, NULL, NULL, 2, 2 }; in[0] = a; in[1] = b; c.inputs = in;
      CHECK(tg_checkpoint(&c, out)); CHECK(tg_backward(tg_sum(tg_add(out[0], out[1])))); VALUES(a->grad, 3 + exp(1), 4 + exp(2)); VALUES(b->grad, 1, 2);
      tg_zero_grad(a); tg_zero_grad(b); CHECK(tg_checkpoint(&c, out)); CHECK(tg_backward(tg_sum(out[1]))); VALUES(a->grad, exp(1), exp(2)); CHECK(!b->grad || el(b->grad, 0) == 0); }
    { tg_tensor *in[2], *out[2], *a = leaf(F64(1, 2)); tg_function_call c = { two_outputs, NULL, NULL, 2, 2 }; in[0] = a; in[1] = a; c.inputs = in;       /* one tensor as both inputs */
      CHECK(tg_checkpoint(&c, out)); CHECK(tg_backward(tg_sum(out[0]))); VALUES(a->grad, 2, 4); }
    { tg_tensor *in[2], *out[2], *a = F64(1, 2); tg_function_call c = { two_outputs, NULL, NULL, 2, 2 }; in[0] = a; in[1] = a; c.inputs = in; CHECK(tg_checkpoint(&c, out)); CHECK(!out[0]->requires_grad && !out[1]->requires_grad); }
    { tg_tensor *a = leaf(F64(1, 2)), *out; tg_function_call c = { passes_on, NULL, &a, 1, 1 }; tg_function_call d; CHECK(tg_checkpoint(&c, &out)); CHECK(tg_backward(tg_sum(tg_square(out)))); VALUES(a->grad, 2, 4); (void)d; }
    { double two = 2; tg_tensor *x = leaf(F64(1, 2)), *h = tg_mul_scalar(x, 1), *in[2], *out[2]; tg_function_call c = { two_outputs, NULL, NULL, 2, 2 };     /* hooks on what goes in run once, with the whole gradient */
      in[0] = h; in[1] = h; c.inputs = in; hook_calls = 0;
      CHECK(tg_hook(h, hook_times, &two)); CHECK(tg_retain_grad(h)); CHECK(tg_hook(x, hook_times, &two)); CHECK(tg_checkpoint(&c, out)); CHECK(tg_backward(tg_sum(out[0])));
      CHECK_INT(hook_calls, 2); VALUES(x->grad, 8, 16); VALUES(h->grad, 4, 8); tg_zero_grad(h); }
    { double two = 2; net n; tg_tensor *x = tg_ones(tg, TG_SHAPE(2, 2)), *y, *g; tg_function_call c = { net_part, NULL, &x, 1, 1 };                          /* and so on closed-over parameters */
      memset(&n, 0, sizeof n); n.w1 = leaf(tg_eye(tg, 2)); n.w2 = leaf(tg_eye(tg, 2)); c.user = &n; hook_calls = 0;
      CHECK(tg_hook(n.w2, hook_times, &two)); CHECK(tg_checkpoint(&c, &y)); CHECK(tg_backward(tg_sum(y))); CHECK_INT(hook_calls, 1); g = tg_full_like(n.w2, 4 * tanh(1)); CHECK(n.w2->grad && tg_allclose(n.w2->grad, g, 1e-5, 0)); }
    { tg_tensor *x = leaf(F64(1, 2)), *in[2], *out[2]; tg_function_call c = { two_outputs, NULL, NULL, 2, 2 }; tg_tensor *h = tg_mul_scalar(x, 1); in[0] = in[1] = h; c.inputs = in;
      CHECK(tg_checkpoint(&c, out)); CHECK(tg_zero_(h)); CHECK(!tg_backward(tg_sum(out[0]))); CHECK_ERROR(tg, TG_ERROR_GRAD); }                                 /* the input was overwritten */
    END;
}

/* ---- derivative products ---- */
static bool products(void *user, tg_tensor *const *in, int n_in, tg_tensor **out, int n_out) {   /* x, y in R^2: a = x0 x1 y, b = sin(x) */
    (void)user; (void)n_in; (void)n_out;
    out[0] = tg_mul(tg_mul(tg_select(in[0], 0, 0), tg_select(in[0], 0, 1)), in[1]);
    out[1] = tg_sin(in[0]);
    return out[1] != NULL;
}
static bool cubic(void *user, tg_tensor *const *in, int n_in, tg_tensor **out, int n_out) {      /* sum x^3 + x0 x1 */
    (void)user; (void)n_in; (void)n_out;
    out[0] = tg_add(tg_sum(tg_mul(tg_square(in[0]), in[0])), tg_mul(tg_select(in[0], 0, 0), tg_select(in[0], 0, 1)));
    return out[0] != NULL;
}
static bool linear_map(void *user, tg_tensor *const *in, int n_in, tg_tensor **out, int n_out) { (void)n_in; (void)n_out; out[0] = tg_matmul((tg_tensor *)user, in[0]); return out[0] != NULL; }
static bool constant(void *user, tg_tensor *const *in, int n_in, tg_tensor **out, int n_out) { (void)user; (void)n_in; (void)n_out; out[0] = tg_ones_like(in[0]); return out[0] != NULL; }
static void test_products(void) {
    BEGIN;
    { tg_tensor *in[2], *v[2], *out[2], *r[2]; tg_function_call c = { products, NULL, NULL, 2, 2 }; in[0] = F64(2, 3); in[1] = F64(5, 7); c.inputs = in;
      v[0] = F64(1, 10); v[1] = F64(100, 1000);
      CHECK(tg_vjp(&c, v, out, r)); VALUES(out[0], 30, 42); VALUES(out[1], sin(2), sin(3)); VALUES(r[0], 3 * 75 + 100 * cos(2), 2 * 75 + 1000 * cos(3)); VALUES(r[1], 6, 60); CHECK(!out[0]->requires_grad && !r[0]->requires_grad);
      v[0] = F64(1, 10); v[1] = F64(100, 1000);
      CHECK(tg_jvp(&c, v, out, r)); VALUES(out[0], 30, 42); VALUES(r[0], 5 * (3 + 20) + 600, 7 * 23 + 6000); VALUES(r[1], cos(2), 10 * cos(3));
      { tg_tensor *j = tg_jacobian(&c, 0, 0); CHECK(j && j->ndim == 2 && j->shape[0] == 2 && j->shape[1] == 2); VALUES(j, 15, 10, 21, 14); }
      { tg_tensor *j = tg_jacobian(&c, 0, 1); VALUES(j, 6, 0, 0, 6); } { tg_tensor *j = tg_jacobian(&c, 1, 0); VALUES(j, cos(2), 0, 0, cos(3)); } { tg_tensor *j = tg_jacobian(&c, 1, 1); VALUES(j, 0, 0, 0, 0); } }
    { tg_tensor *x = F64(2, 3), *v = F64(1, 10), *out, *h; tg_function_call c = { cubic, NULL, &x, 1, 1 }; CHECK(tg_hvp(&c, &v, &out, &h)); VALUES(out, 8 + 27 + 6); VALUES(h, 12 + 10, 1 + 180); }
    { tg_tensor *a = tg_reshape(F64(1, 2, 3, 4), TG_SHAPE(2, 2)), *x = F64(5, 6), *v = F64(1, 10), *out, *r; tg_function_call c = { linear_map, a, &x, 1, 1 };
      CHECK(tg_jvp(&c, &v, &out, &r)); VALUES(r, 21, 43); CHECK(tg_vjp(&c, &v, &out, &r)); VALUES(r, 31, 42); }
    { tg_tensor *x = F64(5, 6), *v = F64(1, 10), *out, *r; tg_function_call c = { constant, NULL, &x, 1, 1 }; CHECK(tg_jvp(&c, &v, &out, &r)); VALUES(r, 0, 0); CHECK(tg_vjp(&c, &v, &out, &r)); VALUES(r, 0, 0); VALUES(tg_jacobian(&c, 0, 0), 0, 0, 0, 0); }
    { tg_tensor *x = leaf(F64(2, 3)), *v = F64(1, 10), *out, *h; tg_function_call c = { cubic, NULL, &x, 1, 1 }; tg_grad_mode(tg, false); CHECK(tg_hvp(&c, &v, &out, &h)); CHECK(!tg_grad_mode(tg, true)); VALUES(h, 22, 181); CHECK(!x->grad); }  /* under no grad, and over leaves */
    { tg_tensor *x = F64(2, 3), *out, *h; tg_function_call c = { cubic, NULL, &x, 1, 1 }; CHECK(!tg_hvp(&c, NULL, &out, &h)); CHECK_ERROR(tg, TG_ERROR_NULL); CHECK(!tg_vjp(NULL, &x, &out, &h)); CHECK_OK(tg); }
    END;
}

/* ---- ops of one's own ---- */
typedef struct cube_attr { double factor; int64_t wrong; } cube_attr;
static const tg_attr cube_attrs[] = { { .name = "factor", .type = TG_ATTR_FLOAT, .offset = offsetof(cube_attr, factor), .room = 1, .length = TG_ATTR_ALL }, { .name = "wrong", .type = TG_ATTR_INT, .offset = offsetof(cube_attr, wrong), .room = 1, .length = TG_ATTR_ALL } };
static bool cube_check(tg_ctx *c, tg__node *n) {
    tg_tensor *x = tg_node_in(n, 0);
    (void)c;
    if (x->dtype != TG_F64) return tg_node_fail(n, TG_ERROR_DTYPE, "cubes are made of f64");
    return tg_node_make(n, 0, x->dtype, x->ndim, x->shape);
}
static bool cube_forward(tg_ctx *c, tg__node *n) {
    const cube_attr *a = (const cube_attr *)tg_node_attr(n);
    tg_tensor *x = tg_node_in(n, 0), *y = tg_node_out(n, 0);
    double *p, *q = (double *)y->data;
    int64_t i;
    (void)c;
    p = (double *)malloc((size_t)x->numel * 8 + 8);
    if (!tg_read(x, p, (size_t)x->numel * 8)) { free(p); return false; }
    for (i = 0; i < x->numel; i++) q[i] = a->factor * p[i] * p[i] * p[i];
    free(p);
    return true;
}
static bool cube_backward(tg_ctx *c, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    const cube_attr *a = (const cube_attr *)tg_node_attr(n);
    (void)c;
    if (tg_node_wants(n, 0)) dx[0] = tg_mul(g[0], tg_mul_scalar(tg_square(tg_node_in(n, 0)), (a->wrong ? 2.9 : 3) * a->factor));
    return true;
}
static const tg_op cube_op = { .name = "my_cube", .version = 1, .n_in = 1, .n_out = 1, .saves = { TG_SAVE_IN(0), 0, 0, 0 }, .attrs = cube_attrs, .n_attrs = 2, .attr_size = sizeof(cube_attr), .check = cube_check, .forward = cube_forward, .backward = cube_backward };
static bool cube_f(void *user, tg_tensor *const *in, int n_in, tg_tensor **out, int n_out) { (void)n_in; (void)n_out; out[0] = tg_call(&cube_op, user, in, 1, NULL); return out[0] != NULL; }

/* a random op of the host's: its numbers come from the call's */
static bool draw_check(tg_ctx *c, tg__node *n) { (void)c; return tg_node_make(n, 0, TG_I64, 0, NULL); }
static bool draw_forward(tg_ctx *c, tg__node *n) { (void)c; *(int64_t *)tg_node_out(n, 0)->data = (int64_t)tg_node_call(n); return true; }
static const tg_op draw_op = { .name = "my_draw", .version = 1, .n_in = 1, .n_out = 1, .flags = TG_OP_RANDOM | TG_OP_NO_GRAD, .check = draw_check, .forward = draw_forward };

/* a list of inputs, two outputs: the sum and the sum of squares, element by element */
static bool moments_check(tg_ctx *c, tg__node *n) {
    tg_tensor *x = tg_node_in(n, 0);
    (void)c;
    return tg_node_make(n, 0, TG_F64, x->ndim, x->shape) && tg_node_make(n, 1, TG_F64, x->ndim, x->shape);
}
static bool moments_forward(tg_ctx *c, tg__node *n) {
    double *s = (double *)tg_node_out(n, 0)->data, *q = (double *)tg_node_out(n, 1)->data;
    int64_t i, numel = tg_node_out(n, 0)->numel;
    int k;
    (void)c;
    for (i = 0; i < numel; i++) s[i] = q[i] = 0;
    for (k = 0; tg_node_in(n, k); k++) for (i = 0; i < numel; i++) { double v = ((double *)tg_node_in(n, k)->data)[i]; s[i] += v; q[i] += v * v; }
    return true;
}
static bool moments_backward(tg_ctx *c, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    int k;
    (void)c;
    for (k = 0; tg_node_in(n, k); k++) {
        if (!tg_node_wants(n, k)) continue;
        dx[k] = g[1] ? tg_mul(g[1], tg_mul_scalar(tg_node_in(n, k), 2)) : NULL;
        if (g[0]) dx[k] = dx[k] ? tg_add(dx[k], g[0]) : g[0];
    }
    return true;
}
static const tg_op moments_op = { .name = "my_moments", .version = 1, .n_in = TG_LIST, .n_out = 2, .saves = { TG_SAVE_INS, TG_SAVE_INS, TG_SAVE_INS, TG_SAVE_INS }, .check = moments_check, .forward = moments_forward, .backward = moments_backward };
static bool moments_f(void *user, tg_tensor *const *in, int n_in, tg_tensor **out, int n_out) { (void)user; (void)n_out; return tg_call(&moments_op, NULL, in, n_in, out) != NULL; }
static bool moments_second_only(void *user, tg_tensor *const *in, int n_in, tg_tensor **out, int n_out) { tg_tensor *o[2]; (void)user; (void)n_out; if (!tg_call(&moments_op, NULL, in, n_in, o)) return false; out[0] = o[1]; return true; }
static bool bad_shape_backward(tg_ctx *c, tg__node *n, tg_tensor **g, tg_tensor **dx) { (void)n; (void)g; dx[0] = tg_full(c, TG_SHAPE(2, 3), 1, TG_F64); return true; }
static bool silent_backward(tg_ctx *c, tg__node *n, tg_tensor **g, tg_tensor **dx) { (void)c; (void)n; (void)g; (void)dx; return false; }
static bool elementary(void *user, tg_tensor *const *in, int n_in, tg_tensor **out, int n_out) { (void)user; (void)n_in; (void)n_out; out[0] = tg_softmax(tg_mul(tg_sin(in[0]), in[1]), 0); return out[0] != NULL; }

static bool pair_check(tg_ctx *c, tg__node *n) { (void)c; return tg_node_make(n, 0, TG_F64, 1, tg_node_in(n, 0)->shape); }
static bool pair_forward(tg_ctx *c, tg__node *n) { (void)c; (void)n; return true; }
static bool pair_bad_backward(tg_ctx *c, tg__node *n, tg_tensor **g, tg_tensor **dx) { (void)n; dx[0] = tg_zeros(c, TG_SHAPE(5)); dx[1] = g[0]; return dx[0] != NULL; }
static bool pair_failing_backward(tg_ctx *c, tg__node *n, tg_tensor **g, tg_tensor **dx) { (void)c; dx[0] = dx[1] = g[0]; return tg_node_fail(n, TG_ERROR_VALUE, "no"); }
static void test_own(void) {
    cube_attr right = { 2, 0 }, wrong = { 2, 1 };
    BEGIN;
    { tg_tensor *x = leaf(F64(1, 2, -3)), *y = tg_call(&cube_op, &right, &x, 1, NULL); VALUES(y, 2, 16, -54); CHECK(tg_backward(tg_sum(y))); VALUES(x->grad, 6, 24, 54); }
    { tg_tensor *x = F64(1, 2, -3); tg_function_call c = { cube_f, &right, &x, 1, 1 }; CHECK(tg_gradcheck(&c)); CHECK(tg_gradcheck(&c, .second = true)); CHECK_OK(tg); }
    { tg_tensor *x = F64(1, 2, -3); tg_function_call c = { cube_f, &wrong, &x, 1, 1 }; const char *t;
      CHECK(!tg_gradcheck(&c)); CHECK(tg_error(tg) == TG_ERROR_NUMERIC); t = tg_error_text(tg);
      CHECK_MSG(strstr(t, "gradcheck: first gradient by input 0 at element 0 is ") && strstr(t, "the difference quotient ") && strstr(t, __FILE__), "%s", t); tg_clear(tg); }
    { tg_tensor *in[3]; tg_function_call c = { moments_f, NULL, NULL, 3, 2 }; in[0] = F64(1, 2); in[1] = F64(3, 4); in[2] = F64(-1, 0.5); c.inputs = in; CHECK(tg_gradcheck(&c, .second = true)); CHECK_OK(tg);
      c.f = moments_second_only; c.n_outputs = 1; CHECK(tg_gradcheck(&c, .second = true)); CHECK_OK(tg); }
    { tg_tensor *in[3], *out[2], *a = leaf(F64(1, 2)), *b = leaf(F64(3, 4)); in[0] = a; in[1] = b; in[2] = F64(-1, 0.5); CHECK(tg_call(&moments_op, NULL, in, 3, out) == out[0]); VALUES(out[0], 3, 6.5); VALUES(out[1], 11, 20.25);
      CHECK(out[0]->requires_grad && out[1]->requires_grad); CHECK(tg_backward(tg_sum(out[0]), .retain_graph = true)); VALUES(a->grad, 1, 1); CHECK(tg_backward(tg_sum(tg_add(out[0], out[1])))); VALUES(a->grad, 4, 6); VALUES(b->grad, 8, 10); }
    { tg_tensor *in[2]; tg_function_call c = { elementary, NULL, NULL, 2, 1 }; in[0] = tg_randn(tg, TG_SHAPE(3, 4)); in[1] = tg_randn(tg, TG_SHAPE(4)); c.inputs = in; CHECK(tg_gradcheck(&c, .second = true)); CHECK_OK(tg); }     /* f32 inputs are checked in f64 */
    { tg_tensor *x = tg_ones(tg, TG_SHAPE(2)); CHECK(!tg_call(&cube_op, &right, &x, 1, NULL)); CHECK_MSG(strncmp(tg_error_text(tg), "my_cube: cubes are made of f64 (", 32) == 0, "%s", tg_error_text(tg)); CHECK_ERROR(tg, TG_ERROR_DTYPE); }
    { tg_op o = cube_op; tg_tensor *x = leaf(F64(1, 2)), *y, *xs[2]; xs[0] = xs[1] = x;
      o.forward = NULL; CHECK(!tg_call(&o, &right, &x, 1, NULL)); CHECK_ERROR(tg, TG_ERROR_VALUE);
      o = cube_op; CHECK(!tg_call(&o, &right, xs, 2, NULL)); CHECK_ERROR(tg, TG_ERROR_VALUE); CHECK(!tg_call(&o, &right, xs, 0, NULL)); tg_clear(tg);
      o.n_out = 0; CHECK(!tg_call(&o, &right, &x, 1, NULL)); CHECK_ERROR(tg, TG_ERROR_VALUE);
      o = cube_op; o.backward = NULL; y = tg_call(&o, &right, &x, 1, NULL); CHECK(y); CHECK(!tg_backward(tg_sum(y))); CHECK_MSG(strncmp(tg_error_text(tg), "backward: 'my_cube' has no derivative", 37) == 0, "%s", tg_error_text(tg)); CHECK_ERROR(tg, TG_ERROR_GRAD);
      o.backward = bad_shape_backward; y = tg_call(&o, &right, &x, 1, NULL); CHECK(!tg_backward(tg_sum(y))); CHECK_MSG(strstr(tg_error_text(tg), "the backward of 'my_cube' gave f64[2, 3] for an input of shape [2]") != NULL, "%s", tg_error_text(tg)); CHECK_ERROR(tg, TG_ERROR_SHAPE);
      o.backward = silent_backward; y = tg_call(&o, &right, &x, 1, NULL); CHECK(!tg_backward(tg_sum(y))); CHECK(strstr(tg_error_text(tg), "its backward failed without saying why")); CHECK_ERROR(tg, TG_ERROR_VALUE);
      CHECK(!x->grad); CHECK(!tg_call(NULL, NULL, &x, 1, NULL)); tg_clear(tg); }
    { tg_tensor *in[2], *y, *seed = F64(1, 1); int k;         /* a backward that fails takes no count of what it was given */
      in[0] = leaf(F64(1, 2)); in[1] = leaf(F64(3, 4));
      for (k = 0; k < 2; k++) {
          tg_op o = { .name = "my_pair", .version = 1, .n_in = 2, .n_out = 1, .check = pair_check, .forward = pair_forward };
          o.backward = k ? pair_failing_backward : pair_bad_backward;
          y = tg_call(&o, NULL, in, 2, NULL); CHECK(!tg_backward(y, .gradient = seed)); CHECK_ERROR(tg, k ? TG_ERROR_VALUE : TG_ERROR_SHAPE);
          CHECK(seed->alive && seed->count == 1); VALUES(seed, 1, 1); } }
    END;
}

/* ---- many views of one base, each written in turn: the work grows with their number, not with its square ---- */
static void test_many_views(void) {
    BEGIN;
    { const int64_t n = 20000; tg_tensor *x = leaf(tg_ones(tg, TG_SHAPE(4))), *b = tg_zeros(tg, TG_SHAPE(20000)), *first = tg_select(b, 0, 0), **v = (tg_tensor **)malloc((size_t)n * sizeof *v); int64_t i;
      for (i = 0; i < n; i++) v[i] = tg_select(b, 0, i);
      CHECK(!first->requires_grad && !v[n - 1]->requires_grad);
      for (i = 0; i < n; i++) if (!tg_copy_(v[i], tg_select(x, 0, i % 4))) break;
      CHECK(i == n && b->requires_grad && first->requires_grad && v[n - 1]->requires_grad && tg_item(tg_sum(tg_detach(b))) == 20000);
      { bool was = tg_grad_mode(tg, false); CHECK(tg_item(tg_sum(first)) == 1); tg_grad_mode(tg, was); }
      free(v); }
    { tg_tensor *x = leaf(tg_ones(tg, TG_SHAPE(4))), *b = tg_zeros(tg, TG_SHAPE(8)), *early = tg_narrow(b, 0, 0, 4), *late; CHECK(tg_copy_(tg_narrow(b, 0, 4, 4), x)); late = tg_narrow(b, 0, 2, 4);
      CHECK(tg_mul_scalar(b, 1) && tg_mul_(tg_narrow(b, 0, 3, 2), tg_full(tg, TG_SHAPE(2), 3, TG_F32))); CHECK(early->requires_grad && late->requires_grad); VALUES(late, 0, 0, 3, 1);
      CHECK(tg_backward(tg_sum(tg_add(early, late)))); VALUES(x->grad, 3, 1, 0, 0); }
    END;
}

/* ---- anomaly ---- */
static tg_tensor *hook_gives(void *user, tg_tensor *g) { (void)g; return (tg_tensor *)user; }
static void test_anomaly(void) {
    char want[512];
    BEGIN;
    CHECK(!tg_anomaly(tg, true));
    { int64_t huge[2] = { 3, TEST_HUGE }; tg_tensor *e = tg_expand(tg_reshape(tg_arange(tg, 0, 3, 1, TG_F32), TG_SHAPE(3, 1)), 2, huge); CHECK(e != NULL);      /* each element once, or this never ends */
      e = tg_expand(tg_reshape(tg_log(leaf(tg_arange(tg, 1, 4, 1, TG_F32))), TG_SHAPE(3, 1)), 2, huge); CHECK(e != NULL); CHECK_OK(tg); }
    { tg_tensor *e; tg_anomaly(tg, false); e = tg_log(tg_neg(tg_arange(tg, -2, 2, 1, TG_F32))); tg_anomaly(tg, true); tg_anomaly(tg, false); e = tg_unsqueeze(e, 1); tg_anomaly(tg, true); CHECK(!tg_expand(e, TG_SHAPE(4, 5)));            /* log 0 is in row 2 */
      CHECK(strstr(tg_error_text(tg), "first infinity, at element 10 of")); CHECK_ERROR(tg, TG_ERROR_NUMERIC); }
    { tg_tensor *x = F64(1, -1, 2), *y; int l; y = tg_log(x); l = __LINE__; CHECK(!y);
      snprintf(want, sizeof want, "log: the result of 'log' called at %s:%d has the first NaN, at element 1 of f64[3] (%s:%d)", __FILE__, l, __FILE__, l); CHECK_TEXT(tg_error_text(tg), want); CHECK_ERROR(tg, TG_ERROR_NUMERIC); }
    { tg_tensor *x = leaf(F64(4, 0)), *y = tg_sqrt(x), *z = tg_sum(y); int l = __LINE__; CHECK(!tg_backward(z));
      snprintf(want, sizeof want, "the gradient of 'sqrt' called at %s:%d has the first infinity, at element 1 of f64[2]", __FILE__, l); CHECK_MSG(strstr(tg_error_text(tg), want) != NULL, "%s", tg_error_text(tg)); CHECK_ERROR(tg, TG_ERROR_NUMERIC); CHECK(!x->grad); }
    { tg_tensor *x = tg_t(tg_reshape(F64(1, 2, 3, 4, 5, 0), TG_SHAPE(2, 3))), *y = tg_reciprocal(x); CHECK(!y); CHECK_MSG(strstr(tg_error_text(tg), "at element 5 of") != NULL, "%s", tg_error_text(tg)); CHECK_ERROR(tg, TG_ERROR_NUMERIC); }
    { tg_tensor *x = tg_t(tg_reshape(F64(1, 2, 3, 0, 5, 6), TG_SHAPE(2, 3))), *y = tg_reciprocal(x); CHECK(!y); CHECK_MSG(strstr(tg_error_text(tg), "at element 1 of") != NULL, "row-major in the tensor as seen: %s", tg_error_text(tg)); CHECK_ERROR(tg, TG_ERROR_NUMERIC); }
    { tg_tensor *x = leaf(F64(1, 2, 3)), *h = tg_mul_scalar(x, 1), *part = tg_index_select(h, 0, tg_to(F64(0, 2), TG_I64)), *bad = F64((double)NAN, 1), *whole = tg_sum(tg_mul_scalar(h, 2));      /* a gradient from a hook, to be added to another */
      CHECK(tg_hook(part, hook_gives, bad)); CHECK(!tg_backward(tg_add(tg_sum(part), whole))); CHECK_MSG(strstr(tg_error_text(tg), "the gradient of 'index_select'") != NULL, "%s", tg_error_text(tg)); CHECK_ERROR(tg, TG_ERROR_NUMERIC); }
    CHECK(tg_anomaly(tg, false));
    { tg_tensor *x = F64(0); CHECK(tg_log(x)); CHECK_OK(tg); }
    END;
}

/* ---- the tape ---- */
static void test_tape(void) {
    char text[2000], want[2000], small[10];
    size_t n;
    BEGIN;
    { tg_tensor *x = tg_set_name(leaf(F64(1, 2)), "x"), *c = F64(3, 4), *y, *z; tg_tape_entry e[8]; const int64_t *shape; uint64_t from; int lx, ly, lz;
      lx = __LINE__; y = tg_mul(x, c); ly = lx;
      z = tg_sum(y); lz = __LINE__;
      CHECK_INT(tg_tape(z, NULL, 0), 3); CHECK_INT(tg_tape(z, e, 8), 3); CHECK(!strcmp(e[0].op, "sum") && !strcmp(e[1].op, "mul") && !strcmp(e[2].op, "leaf"));
      CHECK(e[0].number > e[1].number && e[1].number > e[2].number); CHECK_INT(e[0].line, lz); CHECK_INT(e[1].line, ly); CHECK(!strcmp(e[0].file, __FILE__)); CHECK(e[1].n_in == 2 && e[1].n_out == 1);
      CHECK(tg_tape_input(&e[0], 0, &shape, &from) == 1 && shape[0] == 2 && from == e[1].number); CHECK(tg_tape_input(&e[1], 1, &shape, &from) == 1 && from == 0); CHECK(tg_tape_input(&e[1], 2, &shape, &from) == -1); CHECK(tg_tape_input(&e[1], 0, NULL, NULL) == 1);
      CHECK_INT(tg_tape(z, e, 1), 3); CHECK_INT(tg_tape(c, e, 8), 0);
      n = tg_tape_text(z, text, sizeof text); CHECK_INT(n, strlen(text)); CHECK_INT(tg_tape_text(z, NULL, 0), n); CHECK(tg_tape_text(z, small, sizeof small) == n && strlen(small) == 9 && !strncmp(small, text, 9));
      snprintf(want, sizeof want, "#%d sum -> f64[]  from #%d (%s:%d)\n#%d mul -> f64[2]  from #%d, a constant (%s:%d)\n#%d leaf 'x' -> f64[2] (%s:%d)\n", (int)e[0].number, (int)e[1].number, __FILE__, lz, (int)e[1].number, (int)e[2].number, __FILE__, ly, (int)e[2].number, __FILE__, ly);
      (void)tg_tape(z, e, 8);
      snprintf(want, sizeof want, "#%d sum -> f64[]  from #%d (%s:%d)\n#%d mul -> f64[2]  from #%d, a constant (%s:%d)\n#%d leaf 'x' -> f64[2] (%s:%d)\n", (int)e[0].number, (int)e[1].number, __FILE__, lz, (int)e[1].number, (int)e[2].number, __FILE__, ly, (int)e[2].number, __FILE__, ly);
      CHECK_TEXT(text, want);
      n = tg_tape_dot(z, text, sizeof text); CHECK_INT(n, strlen(text)); CHECK(!strncmp(text, "digraph tape {", 14) && text[n - 2] == '}');
      snprintf(want, sizeof want, "n%d -> n%d;", (int)e[1].number, (int)e[0].number); CHECK(strstr(text, want) && strstr(text, "leaf 'x'") && strstr(text, "value 11.0") && strstr(text, "value 3.0 8.0"));
      CHECK(tg_backward(z)); CHECK_INT(tg_tape(z, NULL, 0), 3); n = tg_tape_dot(z, text, sizeof text); CHECK(strstr(text, "grad 3.0 4.0"));
      tg_zero_grad(x); }
    { tg_tensor *x = tg_set_name(leaf(F64(1)), "a \"quoted\\name\"\n"), *y = tg_neg(x); CHECK(tg_tape_dot(y, text, sizeof text) > 0); CHECK_MSG(!strstr(text, "a \"quoted") && strstr(text, "a \\\"quoted"), "quotes in names break the drawing: %s", text); }
    { tg_tensor *x = leaf(F64(1)), *y = x; int i; for (i = 0; i < 3000; i++) y = tg_add_scalar(y, 1); CHECK_INT(tg_tape(y, NULL, 0), 3001); }
    END;
}

/* ---- long and wide ---- */
static void test_long(void) {
    BEGIN;
    { tg_tensor *x = leaf(F64(1)), *y = x, *one = F64(1); int i; for (i = 0; i < 20000; i++) y = tg_mul(y, one); CHECK(tg_backward(y)); VALUES(x->grad, 1); }
    { tg_tensor *x = leaf(F64(1)), *sum = NULL; int i; for (i = 1; i <= 1000; i++) { tg_tensor *t = tg_mul_scalar(x, i); sum = sum ? tg_add(sum, t) : t; } CHECK(tg_backward(sum)); VALUES(x->grad, 500500); }
    { tg_tensor *x = leaf(F64(1, 2)), *list[100], *y; int i; for (i = 0; i < 100; i++) list[i] = tg_mul_scalar(x, i); y = tg_cat(list, 100, 0); CHECK(y->numel == 200 && tg_backward(tg_sum(y))); VALUES(x->grad, 4950, 4950); }
    { tg_tensor *x = leaf(F64(0.5)), *y = x; int i; for (i = 0; i < 40; i++) y = tg_mul(y, tg_add(y, y)); CHECK(y && tg_backward(y)); }       /* 2^40 paths, 80 calls */
    END;
}

/* What a hook must not give back. */
static void test_bad_hooks(void) {
    BEGIN;
    { tg_tensor *x = leaf(F64(1, 2)); CHECK(tg_hook(x, hook_dead, NULL)); CHECK(!tg_backward(tg_sum(tg_square(x)))); CHECK_ERROR(tg, TG_ERROR_DEAD); CHECK(!x->grad); }
    { tg_ctx *o = test_open(); tg_tensor *x = leaf(F64(1, 2)); CHECK(tg_hook(x, hook_strange, tg_full(o, TG_SHAPE(2), 1, TG_F64)));
      CHECK(!tg_backward(tg_sum(tg_square(x)))); CHECK_ERROR(tg, TG_ERROR_CONTEXT); CHECK(!x->grad); test_close(o); }
    END;
}

/* ---- corners: where a gradient was once lost, doubled or made NaN ---- */
static bool three_check(tg_ctx *c, tg__node *n) { (void)c; return tg_node_make(n, 0, TG_F64, 0, NULL) && tg_node_make(n, 1, TG_F64, 0, NULL) && tg_node_make(n, 2, TG_F64, 0, NULL); }
static bool three_forward(tg_ctx *c, tg__node *n) {
    double x = *(const double *)tg_node_in(n, 0)->data;
    (void)c;
    *(double *)tg_node_out(n, 0)->data = 1; *(double *)tg_node_out(n, 1)->data = 2; *(double *)tg_node_out(n, 2)->data = x * x * x;
    return true;
}
static bool three_backward(tg_ctx *c, tg__node *n, tg_tensor **g, tg_tensor **dx) {       /* 3 x^2 from the saved result */
    (void)c;
    dx[0] = g[2] ? tg_mul(g[2], tg_div(tg_mul_scalar(tg_node_out(n, 2), 3), tg_node_in(n, 0))) : NULL;
    return true;
}
static const tg_op three_op = { .name = "three", .version = 1, .n_in = 1, .n_out = 3, .saves = { TG_SAVE_IN(0) | TG_SAVE_OUT(2), 0, 0, 0 }, .check = three_check, .forward = three_forward, .backward = three_backward };
static bool silent_check(tg_ctx *c, tg__node *n) { (void)c; (void)n; return false; }
static const tg_op silent_op = { .name = "silent", .version = 1, .n_in = 1, .n_out = 1, .check = silent_check, .forward = three_forward };
static const tg_op inplace_op = { .name = "mine_", .version = 1, .n_in = 1, .n_out = 1, .flags = TG_OP_INPLACE, .check = three_check, .forward = three_forward };
static bool pick_function(void *user, tg_tensor *const *in, int n_in, tg_tensor **out, int n_out) { (void)user; (void)n_in; (void)n_out; out[0] = tg_square(tg_gather(in[0], 0, in[1])); return out[0] != NULL; }
static void test_corners(void) {
    BEGIN;
    /* a frozen and thawed leaf is the same leaf */
    { tg_tensor *x = leaf(F64(1, 2)), *y = tg_sum(tg_square(x)); tg_require_grad(x, false); tg_require_grad(x, true); CHECK(tg_backward(tg_add(y, tg_sum(tg_square(x))))); VALUES(x->grad, 4, 8); }
    { tg_tensor *x = leaf(F64(1, 2)), *w = leaf(F64(3, 4)), *y = tg_sum(tg_mul(x, w)); tg_require_grad(x, false); CHECK(tg_backward(y)); CHECK(!x->grad); VALUES(w->grad, 1, 2); }
    /* what a view overwrote gets no gradient, be it infinite */
    { tg_tensor *p = leaf(F64(1, 1)), *y = tg_mul_scalar(p, 1); tg_fill_(tg_select(y, 0, 0), 0); CHECK(tg_backward(tg_sum(tg_sqrt(y)))); VALUES(p->grad, 0, 0.5); }
    /* places in memory are no guide through a base with holes */
    { tg_tensor *d = tg_detach(tg_slice(tg_zeros(tg, TG_SHAPE(4, 4)), ":, 0:2")), *w = leaf(tg_ones(tg, TG_SHAPE(2))); CHECK(!tg_copy_(tg_select(d, 0, 1), w)); CHECK_ERROR(tg, TG_ERROR_UNSUPPORTED); }
    /* empty tensors used twice */
    { tg_tensor *x = leaf(tg_zeros(tg, TG_SHAPE(0, 5))); CHECK(tg_backward(tg_add(tg_sum(x), tg_sum(x)))); CHECK(x->grad && x->grad->numel == 0); }
    /* .grad belongs to its leaf alone, with create_graph too */
    { tg_tensor *a = leaf(F64(1, 2)), *b = leaf(F64(3, 4)); CHECK(tg_backward(tg_sum(tg_add(a, b)), .create_graph = true)); CHECK(a->grad && b->grad && a->grad != b->grad && a->grad->data != b->grad->data);
      tg_grad_mode(tg, false); CHECK(tg_zero_(a->grad) != NULL); tg_grad_mode(tg, true); VALUES(b->grad, 1, 1); }
    /* a kept gradient follows its tensor through an in-place operation, and is its own */
    { tg_tensor *x = leaf(F64(1, 2)), *y = tg_mul_scalar(x, 3); CHECK(tg_retain_grad(y) != NULL); CHECK(tg_mul_(y, tg_number(tg, 2)) != NULL); CHECK(tg_backward(tg_sum(tg_mul_scalar(y, 5)))); VALUES(y->grad, 5, 5); VALUES(x->grad, 30, 30);
      CHECK(tg_zero_(y->grad) != NULL); }
    /* a view from a time without recording cannot be written to with recording */
    { tg_tensor *q = leaf(F64(1, 2)), *w = leaf(F64(5, 6)), *h = tg_mul_scalar(q, 2), *v; tg_grad_mode(tg, false); v = tg_view(h, TG_SHAPE(2)); tg_grad_mode(tg, true);
      CHECK(!tg_mul_(v, w)); CHECK_ERROR(tg, TG_ERROR_GRAD); CHECK(tg_mul_(tg_view(h, TG_SHAPE(2)), w) != NULL); CHECK(tg_backward(tg_sum(h))); VALUES(q->grad, 10, 12); VALUES(w->grad, 2, 4); }
    /* a comparison in place cuts the gradient off */
    { tg_tensor *x = leaf(F64(0, 1, 2)), *y = tg_mul_scalar(x, 2), *z = tg_eq_(y, F64(0, 1, 4)); VALUES(z, 1, 0, 1); CHECK(tg_backward(tg_sum(tg_mul(z, x)))); VALUES(x->grad, 1, 0, 1); }
    /* any saved output can be differentiated again */
    { tg_tensor *x = leaf(tg_full(tg, TG_SCALAR, 2, TG_F64)), *out[3], *g, *gg; CHECK(tg_call(&three_op, NULL, &x, 1, out) != NULL);
      CHECK(tg_grad(&out[2], 1, &x, 1, &g, .create_graph = true)); CHECK_NEAR(tg_item(g), 12, 1e-12); CHECK(tg_grad(&g, 1, &x, 1, &gg)); CHECK_NEAR(tg_item(gg), 12, 1e-12); }
    { tg_tensor *x = F64(1); CHECK(!tg_call(&silent_op, NULL, &x, 1, NULL)); CHECK_ERROR(tg, TG_ERROR_VALUE); CHECK(!tg_call(&inplace_op, NULL, &x, 1, NULL)); CHECK_ERROR(tg, TG_ERROR_VALUE); }
    /* functions may have inputs that are indices */
    { tg_tensor *in[2], *i = tg_zeros(tg, TG_SHAPE(2)), *v, *out, *gx[2]; tg_function_call c; memset(&c, 0, sizeof c); in[0] = leaf(F64(1, 2, 3)); in[1] = tg_to(i, TG_I64); v = F64(1, 1); c.f = pick_function; c.inputs = in; c.n_inputs = 2; c.n_outputs = 1;
      CHECK(tg_vjp(&c, &v, &out, gx)); VALUES(gx[0], 4, 0, 0); CHECK(gx[1] && gx[1]->dtype == TG_I64 && tg_item(tg_sum(gx[1])) == 0); CHECK(tg_gradcheck(&c)); }
    /* bounds, ends, NaN */
    { tg_tensor *x = leaf(F64(1, 2, 3, (double)NAN)); CHECK(tg_backward(tg_sum(tg_clamp(x, 1, 3)))); VALUES(x->grad, 0, 1, 0, 0); }
    { tg_tensor *x = leaf(F64(-(double)INFINITY, 2, 9)); CHECK(tg_backward(tg_sum(tg_clamp(x, -(double)INFINITY, 3)))); VALUES(x->grad, 1, 1, 0); }
    { tg_tensor *x = leaf(F64(1, (double)NAN, (double)NAN)); CHECK(tg_backward(tg_max(x))); VALUES(x->grad, 0, 0.5, 0.5); }
    { tg_tensor *x = leaf(F64(3, 3, 3)); CHECK(tg_backward(tg_std_dims(x, 0, NULL, 1, false))); VALUES(x->grad, 0, 0, 0); }
    { tg_tensor *x = leaf(tg_reshape(F64(1, 2, 3, 4), TG_SHAPE(2, 2))), *t = tg_from(tg, TG_SHAPE(2), TG_I64, (const int64_t[]){ 1, -100 }), *y = tg_cross_entropy(x, t);
      CHECK_NEAR(tg_item(y), log(1 + exp(-1.0)), 1e-12); CHECK(tg_backward(y)); CHECK_NEAR(el(x->grad, 2), 0, 0); CHECK_NEAR(el(x->grad, 0), 1 / (1 + exp(1.0)), 1e-12); }
    { tg_tensor *x = leaf(F64(1)); tg_random_state before = tg_random_get(tg), again; double a = tg_item(tg_call(&draw_op, NULL, &x, 1, NULL)), b = tg_item(tg_call(&draw_op, NULL, &x, 1, NULL));
      CHECK(a == (double)before.call && b == a + 1); again = tg_random_get(tg); CHECK(again.call == before.call + 2);
      tg_random_set(tg, before); CHECK(tg_item(tg_call(&draw_op, NULL, &x, 1, NULL)) == a); }
    /* a view knows that its base has got a gradient */
    { tg_tensor *a = tg_zeros(tg, TG_SHAPE(3)), *v = tg_unsqueeze(a, 0), *part = tg_narrow(a, 0, 0, 2), *x = leaf(tg_ones(tg, TG_SHAPE(3)));
      CHECK(!v->requires_grad && tg_copy_(a, x) && a->requires_grad && v->requires_grad && part->requires_grad);
      CHECK(tg_backward(tg_sum(tg_mul_scalar(part, 3)))); VALUES(x->grad, 3, 3, 0); }
    /* labels in memory that the host lent, rewritten before the backward: an error and not a stray write */
    { int64_t lent[] = { 0, 1 };
      tg_tensor *x = leaf(tg_zeros(tg, TG_SHAPE(2, 3))), *y = tg_cross_entropy(x, tg_wrap(tg, TG_SHAPE(2), TG_I64, lent));
      lent[1] = 1000000; CHECK(!tg_backward(y) && tg_error(tg) == TG_ERROR_VALUE && strstr(tg_error_text(tg), "class 1000000")); tg_clear(tg); }
    /* a sum of half-precision losses that no half can hold */
    { tg_tensor *x = tg_zeros(tg, TG_SHAPE(70000, 10)), *t = tg_full(tg, TG_SHAPE(70000), 3, TG_I64);
      x = tg_to(x, TG_F16); CHECK_NEAR(tg_item(tg_cross_entropy(x, t)), log(10.0), 2e-3);
      tg_fill_(tg_narrow(t, 0, 0, 1), -100); CHECK_NEAR(tg_item(tg_cross_entropy(x, t)), log(10.0), 2e-3); }
    { tg_tensor *x = leaf(tg_zeros(tg, TG_SHAPE(0, 0))), *y = tg_cross_entropy(x, tg_full(tg, TG_SHAPE(0), 0, TG_I64)), *g[2];
      CHECK(tg_grad(&y, 1, &x, 1, g, .retain_graph = true) && tg_grad(&y, 1, &x, 1, g + 1, .create_graph = true) && g[1]->shape[0] == 0); }
    /* cross-entropy: the fused derivative and the one in tg calls; a row that does not count may hold anything */
    { static const tg_dtype types[] = { TG_F32, TG_F64, TG_F16, TG_BF16 };
      const int64_t classes[] = { 2, -100, 0, 4 };
      int k, r, c;
      for (k = 0; k < 4; k++) {
          const double near = types[k] == TG_F64 ? 1e-12 : types[k] == TG_F32 ? 1e-6 : types[k] == TG_F16 ? 1e-3 : 1e-2;
          tg_tensor *x = leaf(tg_to(tg_t(tg_randn(tg, TG_SHAPE(5, 4))), types[k])), *t = tg_from(tg, TG_SHAPE(4), TG_I64, classes), *y, *fused, *composed;
          tg_grad_mode(tg, false); tg_fill_(tg_select(x, 0, 1), (double)NAN); tg_grad_mode(tg, true);
          y = tg_cross_entropy(x, t);
          if (!CHECK(tg_grad(&y, 1, &x, 1, &fused, .retain_graph = true) && tg_grad(&y, 1, &x, 1, &composed, .create_graph = true))) break;
          CHECK(fused->dtype == types[k] && tg_allclose(fused, composed, near, near));
          for (r = 0; r < 4; r++) for (c = 0; c < 5; c++) {
              double sum = 0;
              int i;
              for (i = 0; i < 5; i++) sum += exp(el(x, r * 5 + i));
              CHECK_NEAR(el(fused, r * 5 + c), r == 1 ? 0 : (exp(el(x, r * 5 + c)) / sum - (c == classes[r])) / 3, near);
          }
      } }
    END;
}

int main(void) {
    tg = test_open();
    if (!tg) return test_end("autograd");
    test_hand();
    test_corners();
    test_accumulate();
    test_grad();
    test_modes();
    test_inplace();
    test_views();
    test_own();
    test_products();
    test_many_views();
    test_anomaly();
    test_tape();
    test_long();
    test_checkpoint();
    test_handed_on(); test_parts(); test_hooks();
    test_bad_hooks();
    test_close(tg);
    return test_end("autograd");
}
