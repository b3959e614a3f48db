/* Tests of >>impl-pool: windows against plain loops in double, over every option, dtype and layout, and on any number of threads.
   cc -O1 tests/test_pool.c -o test_pool -pthread && ./test_pool */
#include "test.h"

static uint64_t draws = 88172645463325252u;
static int64_t rnd(int64_t n) { draws ^= draws << 13; draws ^= draws >> 7; draws ^= draws << 17; return n > 0 ? (int64_t)((draws >> 11) % (uint64_t)n) : 0; }
static double at(const tg_tensor *t, const int64_t *i) {
    int64_t o = 0;
    int d;
    for (d = 0; d < t->ndim; d++) o += i[d] * t->stride[d];
    return tg__get_f64((char *)t->data + o * (int64_t)tg_dtype_size(t->dtype), t->dtype);
}
/* x [N, C, ...] in a layout: row-major, channels last, every second element, turned */
static tg_tensor *picture(tg_ctx *tg, int ndim, const int64_t *shape, tg_dtype d, int layout, bool odd) {
    tg_tensor *x = tg_empty(tg, ndim, shape, TG_F64), *y;
    int64_t order[5], size[5], k;
    int i;
    for (k = 0; x && k < x->numel; k++) ((double *)x->data)[k] = odd && rnd(20) == 0 ? tg__nan() : odd && rnd(20) == 0 ? -tg__inf() : (double)(rnd(65) - 32) / 8;
    x = tg_to(x, d);
    if (!x || layout == 0) return x;
    for (i = 0; i < ndim; i++) order[i] = layout == 1 ? i == 0 ? 0 : i + 1 < ndim ? i + 1 : 1 : ndim - 1 - i;
    for (i = 0; i < ndim; i++) size[i] = shape[order[i]];
    if (layout == 2) { memcpy(size, shape, sizeof size); size[ndim - 1] *= 2; y = tg_slice_dim(tg_zeros(tg, ndim, size), -1, 0, INT64_MAX, 2); y = tg_slice_dim(tg_to(tg_empty(tg, ndim, size, TG_F32), d), -1, 0, INT64_MAX, 2); }
    else {
        int64_t back[5];
        for (i = 0; i < ndim; i++) back[order[i]] = i;
        y = tg_permute(tg_empty(tg, ndim, size, d), ndim, back);
    }
    tg_copy_(y, x);
    return y;
}
/* The windows of one output position, in loops that know nothing of the library's. */
typedef struct windows { int64_t spatial, k[3], s[3], p[3], d[3], in[3], out[3]; bool adaptive; } windows;
static void check_position(const windows *w, const tg_tensor *x, const tg_tensor *max, const tg_tensor *places, const tg_tensor *mean, bool no_padding, double divisor, const int64_t *o) {
    const int n = (int)w->spatial, f = x->ndim - n;
    int64_t i[5], t[3], first = 0;
    double best = -tg__inf(), sum = 0, whole = 1, count = 0, got, want;
    int64_t spot = -1;
    int d;
    memcpy(i, o, sizeof i);
    for (d = 0; d < n; d++) {
        const int64_t lo = o[f + d] * w->s[d] - w->p[d], hi = lo + w->k[d];
        if (!w->adaptive) whole *= (double)((hi < w->in[d] + w->p[d] ? hi : w->in[d] + w->p[d]) - lo);
        t[d] = 0;
    }
    for (;;) {
        bool inside = true;
        int64_t flat = 0;
        for (d = 0; d < n; d++) {
            int64_t place = w->adaptive ? o[f + d] * w->in[d] / w->out[d] + t[d] : o[f + d] * w->s[d] - w->p[d] + t[d] * w->d[d];
            if (place < 0 || place >= w->in[d]) inside = false;
            if (w->adaptive && place * w->out[d] >= (o[f + d] + 1) * w->in[d]) inside = false;
            i[f + d] = place;
            flat = flat * w->in[d] + place;
        }
        if (inside) {
            const double v = at(x, i);
            if (count == 0) first = flat;
            if (v > best || v != v) { best = v; spot = flat; }
            sum += v; count++;
        }
        for (d = n - 1; d >= 0; d--) { if (++t[d] < (w->adaptive ? w->in[d] : w->k[d])) break; t[d] = 0; }
        if (d < 0) break;
    }
    if (spot < 0) spot = first;
    if (max) {
        got = at(max, o);
        CHECK_MSG(got == best || (got != got && best != best), "the largest is %g, not %g", got, best);
        if (count == 0) { CHECK(at(places, o) >= 0 && at(places, o) < (double)(w->in[0] * (n > 1 ? w->in[1] : 1) * (n > 2 ? w->in[2] : 1))); return; }
        CHECK_MSG((int64_t)at(places, o) == spot, "place %d, not %d of %d..., best %g, window at %d, adaptive %d, ndim %d type %s stride1 %d", (int)at(places, o), (int)spot, (int)w->in[0], best, (int)first, w->adaptive, x->ndim, tg_dtype_name(x->dtype), (int)x->stride[1]);
    }
    if (mean) {
        const double eps = mean->dtype == TG_F64 ? 1e-13 : mean->dtype == TG_F32 ? 1e-6 : mean->dtype == TG_F16 ? 1e-3 : 8e-3;
        want = sum / (divisor != 0 ? divisor : no_padding || w->adaptive ? count : whole);
        got = at(mean, o);
        CHECK_MSG((want != want && got != got) || got == want || (got - want < eps * 8 && want - got < eps * 8), "the mean is %g, not %g", got, want);
    }
}
static void check_all(const windows *w, const tg_tensor *x, const tg_tensor *max, const tg_tensor *places, const tg_tensor *mean, bool no_padding, double divisor) {
    const tg_tensor *y = max ? max : mean;
    int64_t o[5] = { 0, 0, 0, 0, 0 };
    int d;
    if (!y || y->numel == 0) return;
    do {
        check_position(w, x, max, places, mean, no_padding, divisor, o);
        for (d = y->ndim - 1; d >= 0; d--) { if (++o[d] < y->shape[d]) break; o[d] = 0; }
    } while (d >= 0);
}
static void test_windows(tg_ctx *tg, int rounds) {
    static const tg_dtype types[] = { TG_F32, TG_F32, TG_F64, TG_F16, TG_BF16 };
    int round;
    for (round = 0; round < rounds; round++) {
        tg_mark m = tg_begin(tg);
        const int n = 1 + (int)rnd(3), batch = (int)rnd(5) > 0;
        const tg_dtype type = types[rnd(5)];
        const bool odd = rnd(4) == 0, ceil = rnd(2) != 0, no_padding = rnd(2) != 0;
        const double divisor = rnd(5) == 0 ? (double)rnd(5) - 6 : 0;
        int64_t shape[5];
        windows w;
        tg_max_pool1d_args a;
        tg_avg_pool1d_args b;
        tg_tensor *x, *y, *z, *places = NULL, *alone;
        int d;
        memset(&w, 0, sizeof w); memset(&a, 0, sizeof a); memset(&b, 0, sizeof b);
        w.spatial = n;
        shape[0] = rnd(3); shape[batch] = 1 + rnd(round % 7 ? 4 : 40);
        for (d = 0; d < n; d++) {
            shape[batch + 1 + d] = w.in[d] = 1 + rnd(d + 1 == n ? 40 : 9);
            w.k[d] = a.kernel[d] = b.kernel[d] = 1 + rnd(4);
            w.s[d] = a.stride[d] = b.stride[d] = 1 + rnd(3);
            w.d[d] = 1;
            w.p[d] = a.padding[d] = b.padding[d] = rnd(w.k[d] / 2 + 1);
        }
        a.ceil_mode = b.ceil_mode = ceil; b.no_padding = no_padding;
        if (divisor != 0) { b.divisor.is = true; b.divisor.value = divisor; }
        x = picture(tg, n + 1 + batch, shape, type, (int)rnd(4), odd);
        a.x = b.x = x; a.indices = &places;
        z = n == 1 ? tg_avg_pool1d_from(&b) : n == 2 ? tg_avg_pool2d_from(&b) : tg_avg_pool3d_from(&b);
        if (z) check_all(&w, x, NULL, NULL, z, no_padding, divisor); else tg_clear(tg);
        if (z && z->numel) for (d = 0; d < n; d++) {            /* the size as torch counts windows */
            const int64_t free_places = w.in[d] + 2 * w.p[d] - w.k[d];
            int64_t size = (free_places + (ceil ? w.s[d] - 1 : 0)) / w.s[d] + 1;
            if (ceil && (size - 1) * w.s[d] >= w.in[d] + w.p[d]) size--;
            CHECK(z->shape[batch + 1 + d] == size);
        }
        for (d = 0; d < n; d++) w.d[d] = a.dilation[d] = 1 + rnd(2);
        y = n == 1 ? tg_max_pool1d_from(&a) : n == 2 ? tg_max_pool2d_from(&a) : tg_max_pool3d_from(&a);
        if (y) check_all(&w, x, y, places, NULL, false, 0); else tg_clear(tg);
        a.indices = NULL;                                       /* another road, the same values */
        alone = n == 1 ? tg_max_pool1d_from(&a) : n == 2 ? tg_max_pool2d_from(&a) : tg_max_pool3d_from(&a);
        if (!alone) tg_clear(tg); else CHECK(tg_item(tg_all(tg_isclose(tg_to(y, TG_F64), tg_to(alone, TG_F64), 0, 0, true))) == 1);
        w.adaptive = true;
        for (d = 0; d < n; d++) w.out[d] = 1 + rnd(9);
        y = n == 1 ? tg_adaptive_max_pool1d(x, n, w.out, &places) : n == 2 ? tg_adaptive_max_pool2d(x, n, w.out, &places) : tg_adaptive_max_pool3d(x, n, w.out, &places);
        z = n == 1 ? tg_adaptive_avg_pool1d(x, n, w.out) : n == 2 ? tg_adaptive_avg_pool2d(x, n, w.out) : tg_adaptive_avg_pool3d(x, n, w.out);
        if (y && z) check_all(&w, x, y, places, z, false, 0); else tg_clear(tg);
        tg_end(tg, m);
    }
    tg_clear(tg);
}
static void expect(tg_ctx *tg, const tg_tensor *t, const char *text, int line) {
    CHECK_MSG(!t && strstr(tg_error_text(tg), text), "line %d: %s, not %s", line, t ? "a result" : tg_error_text(tg), text);
    tg_clear(tg);
}
#define EXPECT_TEXT(t, text) expect(tg, t, text, __LINE__)
static void test_layouts(tg_ctx *tg) {
    tg_tensor *x = tg_permute(tg_randn(tg, TG_SHAPE(2, 6, 6, 8)), TG_SHAPE(0, 3, 1, 2)), *y = tg_max_pool2d(x, .kernel = {2}), *z = tg_avg_pool2d(x, .kernel = {3}, .stride = {1}, .padding = {1, 1});
    CHECK(y && y->stride[1] == 1 && y->stride[3] == 8 && y->stride[2] == 24);
    CHECK(z && z->stride[1] == 1 && tg__same_shape(x, z));
    EXPECT_TEXT(tg_max_pool2d(x, .kernel = {0}), "max_pool2d: the window's size must be positive, got 0");
    EXPECT_TEXT(tg_max_pool2d(x, .kernel = {2}, .padding = {2}), "max_pool2d: the padding must be from 0 to half of the window, got 2 for a window of 2");
    EXPECT_TEXT(tg_max_pool2d(x, .kernel = {9}), "max_pool2d: no window of 9 fits into 6 places of f32[2, 8, 6, 6]");
    EXPECT_TEXT(tg_avg_pool1d(tg_reshape(x, TG_SHAPE(-1)), .kernel = {2}), "avg_pool1d: x must have 2 or 3 dimensions, ([N,] C and 1 more), got f32[576]");
    EXPECT_TEXT(tg_avg_pool2d(tg_to(x, TG_I64), .kernel = {2}), "avg_pool2d: ");
    EXPECT_TEXT(tg_avg_pool2d(x, .kernel = {2}, .divisor = TG_IS(0)), "avg_pool2d: the divisor must not be 0");
    EXPECT_TEXT(tg_adaptive_avg_pool2d(x, TG_SHAPE(1, 2, 3)), "adaptive_avg_pool2d: the result has 2 dimensions, and 3 sizes are given");
    EXPECT_TEXT(tg_max_unpool2d(x, tg_zeros_like(x), .kernel = {2}), "max_unpool2d: indices are i64 places in x's shape");
    EXPECT_TEXT(tg_max_unpool2d(y, tg_full(tg, y->ndim, y->shape, 999, TG_I64), .kernel = {2}), "max_unpool2d: ");
}
/* Where window i of `out` starts, from a number in 0..1: what Graham's paper says. */
static int64_t fractional_start(double u, int64_t in, int64_t out, int64_t k, int64_t i) {
    const float apart = out > 1 ? (float)(in - k) / (float)(out - 1) : 0, v = (float)u;
    return i == out - 1 ? in - k : (int64_t)((v + (float)i) * apart) - (int64_t)(v * apart);
}
static void test_fractional(tg_ctx *tg, int rounds) {
    static const tg_dtype types[] = { TG_F32, TG_F64, TG_F16, TG_BF16 };
    int round;
    for (round = 0; round < rounds; round++) {
        const tg_mark m = tg_begin(tg);
        const int n = 2 + (int)rnd(2);
        int64_t shape[5], i[5], j[5], flat, best;
        tg_fractional_max_pool2d_args a;
        tg_tensor *x, *y, *places, *samples, *plain;
        int d;
        memset(&a, 0, sizeof a);
        shape[0] = 1 + rnd(2); shape[1] = 1 + rnd(3);
        for (d = 0; d < n; d++) {
            shape[2 + d] = 1 + rnd(9);
            a.kernel[d] = 1 + rnd(shape[2 + d] < 3 ? shape[2 + d] : 3);
            a.output_size[d] = 1 + rnd(shape[2 + d] - a.kernel[d] + 1);
        }
        x = tg_require_grad(picture(tg, n + 2, shape, types[rnd(4)], (int)rnd(4), false), true);
        a.samples = samples = tg_rand(tg, TG_SHAPE(shape[0], shape[1], n));
        a.x = x; a.indices = &places;
        y = n == 2 ? tg_fractional_max_pool2d_from(&a) : tg_fractional_max_pool3d_from(&a);
        CHECK_MSG(y && places && y->dtype == x->dtype && places->dtype == TG_I64, "%s", tg_error_text(tg));
        plain = y ? tg_full(tg, n + 2, shape, 0, TG_F64) : NULL;
        for (flat = 0; plain && flat < y->numel; flat++) {
            int64_t rest = flat, window[3] = { 0, 0, 0 };
            for (d = n + 1; d >= 0; d--) { i[d] = rest % y->shape[d]; rest /= y->shape[d]; }
            best = -1;
            do {                                                                     /* every place of the window, in order */
                int64_t place = 0, at_best[5];
                for (d = 0; d < n; d++) {
                    const double u = ((float *)samples->data)[(i[0] * shape[1] + i[1]) * n + (n == 2 ? 1 - d : d)];
                    j[2 + d] = fractional_start(u, shape[2 + d], a.output_size[d], a.kernel[d], i[2 + d]) + window[d];
                    place = place * shape[2 + d] + j[2 + d];
                }
                j[0] = i[0]; j[1] = i[1];
                memcpy(at_best, j, sizeof j);
                if (best >= 0) { int64_t b = best; for (d = n + 1; d > 1; d--) { at_best[d] = b % shape[d]; b /= shape[d]; } }
                if (best < 0 || at(x, j) > at(x, at_best)) best = place;
                for (d = n - 1; d >= 0 && ++window[d] == a.kernel[d]; d--) window[d] = 0;
            } while (d >= 0);
            for (rest = best, d = n + 1; d > 1; d--) { j[d] = rest % shape[d]; rest /= shape[d]; }
            CHECK(at(y, i) == at(x, j));
            CHECK((int64_t)at(places, i) == best);
            for (rest = 0, d = 0; d < n + 2; d++) rest = rest * shape[d] + j[d];
            ((double *)plain->data)[rest] += 1;                                     /* the gradient of the sum */
        }
        CHECK(y && tg_backward(tg_sum(tg_to(y, TG_F64))));
        CHECK(plain && tg_item(tg_all(tg_eq(plain, tg_to(tg_grad_of(x), TG_F64)))) == 1);
        a.samples = NULL;                                                           /* at random, and without N */
        a.x = tg_select(x, 0, 0);
        y = n == 2 ? tg_fractional_max_pool2d_from(&a) : tg_fractional_max_pool3d_from(&a);
        CHECK(y && y->ndim == n + 1 && y->shape[0] == shape[1] && y->shape[1] == a.output_size[0] && tg__same_shape(y, places));
        CHECK(tg_item(tg_all(tg_eq(y, tg_reshape(tg_gather(tg_flatten(a.x, 1, -1), 1, tg_flatten(places, 1, -1)), y->ndim, y->shape)))) == 1);
        tg_end(tg, m);
    }
}
static void test_fractional_words(tg_ctx *tg) {
    tg_tensor *x = tg_randn(tg, TG_SHAPE(2, 3, 10, 20)), *y = tg_fractional_max_pool2d(x, .kernel = {2, 3}, .output_ratio = {0.7});
    CHECK(y && y->shape[2] == 7 && y->shape[3] == 14);
    EXPECT_TEXT(tg_fractional_max_pool2d(x, .kernel = {2}), "fractional_max_pool2d: one of output_size and output_ratio must be given");
    EXPECT_TEXT(tg_fractional_max_pool2d(x, .kernel = {2}, .output_size = {10}), "fractional_max_pool2d: 10 windows of 2 do not start at different places of 10 elements");
    EXPECT_TEXT(tg_fractional_max_pool2d(x, .kernel = {2}, .output_ratio = {1.5}), "fractional_max_pool2d: an output_ratio must be in 0..1");
    EXPECT_TEXT(tg_fractional_max_pool3d(x, .kernel = {9}, .output_size = {1}), "fractional_max_pool3d: 1 windows of 9");
    EXPECT_TEXT(tg_fractional_max_pool2d(tg_select(tg_select(x, 0, 0), 0, 0), .kernel = {2}, .output_size = {1}), "fractional_max_pool2d: x must have 3 or 4 dimensions");
    EXPECT_TEXT(tg_fractional_max_pool2d(x, .kernel = {2}, .output_size = {3}, .samples = tg_ones(tg, TG_SHAPE(2, 3, 3))), "fractional_max_pool2d: samples must be floats [2, 3, 2]");
    EXPECT_TEXT(tg_fractional_max_pool2d(x, .kernel = {INT64_MAX}, .output_size = {INT64_MAX}), "fractional_max_pool2d: ");
}
/* Sizes that no arithmetic holds are refused; a window that is mostly padding is not gone through. */
static void test_huge(tg_ctx *tg) {
    const int64_t most = INT64_MAX, far = (int64_t)1 << 40;
    tg_tensor *x = tg_ones(tg, TG_SHAPE(1, 2, 4, 4)), *row = tg_select(x, 0, 0), *places = tg_zeros_like(tg_to(x, TG_I64)), *y;
    EXPECT_TEXT(tg_max_pool2d(x, .kernel = {2}, .dilation = {most}), "max_pool2d: ");
    EXPECT_TEXT(tg_max_pool2d(x, .kernel = {2}, .stride = {most}, .ceil_mode = true), "max_pool2d: ");
    EXPECT_TEXT(tg_max_pool2d(x, .kernel = {most}), "max_pool2d: ");
    EXPECT_TEXT(tg_avg_pool2d(x, .kernel = {most / 2}, .padding = {most / 4}), "avg_pool2d: ");
    EXPECT_TEXT(tg_max_unpool2d(x, places, .kernel = {most}, .stride = {1}), "max_unpool2d: ");
    EXPECT_TEXT(tg_max_unpool2d(x, places, .kernel = {2}, .stride = {most}), "max_unpool2d: ");
    y = tg_max_pool1d(row, .kernel = {far}, .padding = {far / 2});
    CHECK(y && y->shape[2] == 1 && tg_item(tg_sum(y)) == 8);
    y = tg_avg_pool1d(tg_require_grad(tg_clone(row), true), .kernel = {far}, .padding = {far / 2}, .divisor = TG_IS(1));
    CHECK(y && tg_item(tg_sum(y)) == 32 && tg_backward(tg_sum(y)));
}
static void test_threads(void) {
    tg_ctx *one = test_open(), *two = test_open();
    tg_tensor *x, *y, *g[2], *places;
    CHECK(tg_threads(two, 2) || (tg_clear(two), true));
    x = tg_require_grad(tg_randn(one, TG_SHAPE(4, 30, 40, 50)), true);
    y = tg_require_grad(tg_from(two, x->ndim, x->shape, TG_F32, x->data), true);
    (void)tg_backward(tg_sum(tg_square(tg_add(tg_max_pool2d(x, .kernel = {3}, .stride = {2}, .indices = &places), tg_avg_pool2d(x, .kernel = {3}, .stride = {2})))));
    (void)tg_backward(tg_sum(tg_square(tg_add(tg_max_pool2d(y, .kernel = {3}, .stride = {2}, .indices = &places), tg_avg_pool2d(y, .kernel = {3}, .stride = {2})))));
    g[0] = tg_grad_of(x); g[1] = tg_grad_of(y);
    CHECK(g[0] && g[1] && memcmp(g[0]->data, g[1]->data, (size_t)x->numel * 4) == 0);
    tg_close(one); tg_close(two);
}
int main(int argc, char **argv) {
    tg_ctx *tg = test_open();
    (void)argc; (void)argv;
    test_windows(tg, 600);
    test_layouts(tg);
    test_fractional(tg, 150);
    test_fractional_words(tg);
    test_huge(tg);
    test_threads();
    tg_close(tg);
    return test_end("pool");
}
