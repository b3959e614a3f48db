/* Products through an installed library (TENSORGRAD_BLIS), against sums in double: every layout, batches, biases, infinities, and which products must stay the header's own.
   test_blis.sh builds it, with -Wl,--wrap so that calls of the library are counted, and with the declarations only; argument: the least multiply-adds of a product that is handed on. */
#include "tensorgrad.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int calls;
void __real_cblas_sgemm(int order, int ta, int tb, int m, int n, int k, float alpha, const float *a, int as, const float *b, int bs, float beta, float *c, int cs);
void __real_cblas_dgemm(int order, int ta, int tb, int m, int n, int k, double alpha, const double *a, int as, const double *b, int bs, double beta, double *c, int cs);
void __wrap_cblas_sgemm(int order, int ta, int tb, int m, int n, int k, float alpha, const float *a, int as, const float *b, int bs, float beta, float *c, int cs);
void __wrap_cblas_dgemm(int order, int ta, int tb, int m, int n, int k, double alpha, const double *a, int as, const double *b, int bs, double beta, double *c, int cs);
void __wrap_cblas_sgemm(int order, int ta, int tb, int m, int n, int k, float alpha, const float *a, int as, const float *b, int bs, float beta, float *c, int cs) {
    __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
    __real_cblas_sgemm(order, ta, tb, m, n, k, alpha, a, as, b, bs, beta, c, cs);
}
void __wrap_cblas_dgemm(int order, int ta, int tb, int m, int n, int k, double alpha, const double *a, int as, const double *b, int bs, double beta, double *c, int cs) {
    __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
    __real_cblas_dgemm(order, ta, tb, m, n, k, alpha, a, as, b, bs, beta, c, cs);
}

static int passed, failed;
static tg_ctx *tg;
static void check(bool ok, const char *what, int m, int n, int k, int way) {
    if (ok) passed++;
    else { failed++; printf("FAIL %s: %d x %d x %d, layout %d%s%s\n", what, m, n, k, way, tg_failed(tg) ? ": " : "", tg_failed(tg) ? tg_error_text(tg) : ""); tg_clear(tg); }
}

/* A matrix [batch, rows, cols] that lies: 0 rows side by side, 1 columns, 2 rows apart, 3 columns apart, 4 every other element, 5 one row for all */
enum { LAYOUTS = 6 };
static tg_tensor *laid(int64_t batch, int64_t rows, int64_t cols, int way, tg_dtype type) {
    tg_tensor *t;
    switch (way) {
    case 0: t = tg_randn(tg, TG_SHAPE(batch, rows, cols)); return tg_to(t, type);
    case 1: t = tg_randn(tg, TG_SHAPE(batch, cols, rows)); return tg_transpose(tg_to(t, type), 1, 2);
    case 2: t = tg_randn(tg, TG_SHAPE(batch, rows, cols + 3)); return tg_narrow(tg_to(t, type), 2, 2, cols);
    case 3: t = tg_randn(tg, TG_SHAPE(batch, cols, rows + 5)); return tg_transpose(tg_narrow(tg_to(t, type), 2, 1, rows), 1, 2);
    case 4: t = tg_randn(tg, TG_SHAPE(batch, rows, 2 * cols)); return tg_slice(tg_to(t, type), ":, :, ::2");
    default: t = tg_randn(tg, TG_SHAPE(batch, 1, cols)); return tg_expand(tg_to(t, type), TG_SHAPE(batch, rows, cols));
    }
}
static double at(const tg_tensor *t, int64_t b, int64_t i, int64_t j) {
    const int64_t e = b * t->stride[0] + i * t->stride[1] + j * t->stride[2];
    return t->dtype == TG_F64 ? ((const double *)t->data)[e] : (double)((const float *)t->data)[e];
}
/* The largest distance of y from a b + bias, over what rounding may make of it */
static double apart(const tg_tensor *y, const tg_tensor *a, const tg_tensor *b, const double *bias) {
    const int64_t k = a->shape[2];
    double worst = 0;
    for (int64_t q = 0; q < y->shape[0]; q++) for (int64_t i = 0; i < y->shape[1]; i++) for (int64_t j = 0; j < y->shape[2]; j++) {
        double sum = bias ? bias[j] : 0, size = 1, d;
        for (int64_t p = 0; p < k; p++) { double v = at(a, q, i, p) * at(b, q, p, j); sum += v; size += fabs(v); }
        d = fabs(at(y, q, i, j) - sum) / size;
        if (!(d <= worst)) worst = d;
    }
    return worst;
}

int main(int argc, char **argv) {
    static const int sizes[][3] = { { 2, 17, 9 }, { 33, 20, 64 }, { 5, 7, 1 }, { 130, 70, 90 }, { 200, 200, 200 } };
    const double least = argc > 1 ? atof(argv[1]) : 0;
    int s, la, lb, d;
    tg_config c;
    memset(&c, 0, sizeof c);
    c.seed = 4;
    tg = tg_open(&c);
    if (!tg) return 1;
    for (s = 0; s < 5; s++) for (d = 0; d < 2; d++) for (la = 0; la < LAYOUTS; la++) for (lb = 0; lb < LAYOUTS; lb++) {
        const int m = sizes[s][0], n = sizes[s][1], k = sizes[s][2], way = 10 * la + lb, batch = s < 4 ? 3 : 1;
        const tg_dtype type = d ? TG_F64 : TG_F32;
        /* a single column is side by side in any case */
        const bool own = (la >= 4 || lb >= 4) && k > 1, large = (double)m * n * k > least;
        tg_mark mark = tg_begin(tg);
        tg_tensor *a = laid(batch, m, k, la, type), *b = laid(batch, k, n, lb, type), *y;
        if (s == 4 && la + lb > 4) { tg_end(tg, mark); continue; }
        calls = 0;
        y = tg_matmul(a, b);
        check(y && apart(y, a, b, NULL) < (d ? 1e-14 : 1e-5), "product", m, n, k, way);
        if (!large) check(calls == 0, "a small product was handed on", m, n, k, way);
        else if (own) check(calls == 0, "a product was handed on that the library cannot read", m, n, k, way);
        else if (k > 1) check(calls == batch, "a product was not handed on", m, n, k, way);
        tg_end(tg, mark);
    }
    /* linear: the bias is added once, gradients go through the library too */
    {
        tg_tensor *x = laid(1, 190, 150, 0, TG_F32), *w = tg_require_grad(tg_randn(tg, TG_SHAPE(160, 150)), true), *b = tg_require_grad(tg_randn(tg, TG_SHAPE(160)), true), *y;
        double bias[160];
        for (s = 0; s < 160; s++) bias[s] = (double)((float *)b->data)[s];
        calls = 0;
        y = tg_linear(x, w, b);
        check(calls == 1 && y && apart(y, x, tg_unsqueeze(tg_t(w), 0), bias) < 1e-5, "linear", 190, 160, 150, 0);
        check(tg_backward(tg_sum(tg_square(y))) && calls == 2, "linear's gradient", 190, 160, 150, 0);
        check(tg_allclose(tg_grad_of(w), tg_matmul(tg_t(tg_mul_scalar(tg_reshape(y, TG_SHAPE(190, 160)), 2)), tg_reshape(x, TG_SHAPE(190, 150))), 1e-4, 1e-3), "linear's gradient", 190, 160, 150, 1);
    }
    /* infinity times zero is NaN, and a result's old NaN is not read */
    {
        tg_tensor *a = tg_zeros(tg, TG_SHAPE(130, 130)), *b = tg_ones(tg, TG_SHAPE(130, 130)), *y;
        ((float *)b->data)[3 * 130 + 5] = INFINITY;
        for (s = 0; s < 4; s++) {
            tg_mark mark = tg_begin(tg);
            tg_full(tg, TG_SHAPE(130, 130), (double)NAN, TG_F32);              /* what the allocator hands out next */
            tg_end(tg, mark);
            y = tg_matmul(a, b);
            check(y && isnan(((float *)y->data)[5]) && isnan(((float *)y->data)[129 * 130 + 5]) && ((float *)y->data)[4] == 0 && ((float *)y->data)[129 * 130 + 6] == 0, "infinity", 130, 130, 130, s);
        }
    }
    /* several threads of ours: each matrix of a batch is a call of its own, so the bits are the same */
    {
        static float one[8 * 140 * 120], many[8 * 140 * 120];
        tg_tensor *a = tg_randn(tg, TG_SHAPE(8, 140, 150)), *b = tg_randn(tg, TG_SHAPE(8, 150, 120));
        check(tg_read(tg_matmul(a, b), one, sizeof one), "threads", 140, 120, 150, 1);
        if (tg_threads(tg, 3)) check(tg_read(tg_matmul(a, b), many, sizeof many) && memcmp(one, many, sizeof one) == 0, "threads", 140, 120, 150, 3);
    }
    tg_close(tg);
    /* strict mode has the header's own bits */
    c.strict = true;
    tg = tg_open(&c);
    if (tg) {
        calls = 0;
        check(tg_matmul(tg_ones(tg, TG_SHAPE(200, 200)), tg_ones(tg, TG_SHAPE(200, 200))) && calls == 0, "strict mode", 200, 200, 200, 0);
        tg_close(tg);
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
