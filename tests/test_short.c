/* Many short rows, many small matrices: what takes them side by side in vectors gives the same bits as one row, one matrix at a time. Random shapes, layouts and dtypes,
   with NaNs, infinities, zeros of both signs and tiny numbers among them, on every instruction set; argmax of an expanded tensor takes no memory by the element. */
#include "test.h"
#include <math.h>

static uint32_t next(void) { return test_random(); }
static int64_t upto(int64_t n) { return 1 + (int64_t)(next() % (uint32_t)n); }

/* Numbers of few values, so that equal ones meet; now and then, if asked, rows of zeros of both signs, NaN, infinity, tiny numbers. */
static tg_tensor *numbers(tg_ctx *tg, int ndim, const int64_t *shape, tg_dtype d, bool specials) {
    static const double odd[] = { 0.0, -0.0, 1e-40, -1e-40, 1.0, -1.0 };
    tg_tensor *t = tg_empty(tg, ndim, shape, TG_F64);
    const int kind = specials ? (int)(next() % 3) : 0;
    int64_t i;
    for (i = 0; t && i < t->numel; i++) {
        uint64_t bits = (uint64_t)0x7ff8 << 48;
        double v = kind == 2 ? odd[next() % 2] : kind == 1 && next() % 4 == 0 ? odd[next() % 6] : (double)(int)(next() % 4096 - 2048) / (next() % 2 ? 64 : 7);
        if (kind == 1 && next() % 32 == 0) { if (next() % 2) bits = (uint64_t)0x7ff0 << 48; memcpy(&v, &bits, 8); }
        memcpy((char *)t->data + 8 * i, &v, 8);
    }
    return tg_to(t, d);
}
/* A NaN is one value: which of two a sum or product keeps is the compiler's choice of operands. */
static bool same_bits(tg_tensor *a, tg_tensor *b) {
    static unsigned char p[1 << 16], q[1 << 16];
    const size_t size = a ? (size_t)a->numel * tg_dtype_size(a->dtype) : 0, each = a ? tg_dtype_size(a->dtype) : 1;
    size_t i;
    if (!a || !b || a->numel != b->numel || a->dtype != b->dtype || size > sizeof p || !tg_read(a, p, size) || !tg_read(b, q, size)) return false;
    for (i = 0; i < size; i += each)
        if (memcmp(p + i, q + i, each) != 0 && !(tg_dtype_is_float(a->dtype) && tg__is_nan(tg__get_f64(p + i, a->dtype)) && tg__is_nan(tg__get_f64(q + i, a->dtype)))) return false;
    return true;
}

enum { SUM, MEAN, PROD, AMAX, AMIN, MAX_DIM, MAX_AT, MIN_DIM, MIN_AT, ARGMAX, ARGMIN, KINDS };
static const char *const kind_names[] = { "sum", "mean", "prod", "amax", "amin", "max_dim", "max_dim's places", "min_dim", "min_dim's places", "argmax", "argmin" };
static tg_tensor *reduced(int kind, tg_tensor *x, int64_t dim) {
    tg_tensor *at = NULL, *v;
    switch (kind) {
        case SUM: return tg_sum_dims(x, TG_DIMS(dim), false);
        case MEAN: return tg_mean_dims(x, TG_DIMS(dim), false);
        case PROD: return tg_prod_dim(x, dim, false);
        case AMAX: return tg_amax_dims(x, TG_DIMS(dim), false);
        case AMIN: return tg_amin_dims(x, TG_DIMS(dim), false);
        case MAX_DIM: case MAX_AT: v = tg_max_dim(x, dim, false, &at); return kind == MAX_DIM ? v : at;
        case MIN_DIM: case MIN_AT: v = tg_min_dim(x, dim, false, &at); return kind == MIN_DIM ? v : at;
        case ARGMAX: return tg_argmax_dim(x, dim, false);
        default: return tg_argmin_dim(x, dim, false);
    }
}
/* x [rows, n] in one of many layouts. Sums down columns that lie side by side are made in the order of rows, which is not a row's own order. */
static tg_tensor *layout(tg_ctx *tg, int how, int64_t rows, int64_t n, tg_dtype d, bool specials, bool *columns) {
    *columns = false;
    switch (how) {
        case 0: return numbers(tg, TG_SHAPE(rows, n), d, specials);
        case 1: *columns = true; return tg_t(numbers(tg, TG_SHAPE(n, rows), d, specials));
        case 2: return tg_narrow(numbers(tg, TG_SHAPE(rows, n + 5), d, specials), 1, 3, n);
        case 3: return tg_slice_dim(numbers(tg, TG_SHAPE(rows, 3 * n), d, specials), 1, 0, 3 * n, 3);
        case 4: return tg_slice_dim(numbers(tg, TG_SHAPE(2 * rows, n), d, specials), 0, 0, 2 * rows, 2);
        case 5: *columns = true; return tg_expand(numbers(tg, TG_SHAPE(rows, 1), d, specials), TG_SHAPE(rows, n));
        default: *columns = true; return tg_expand(numbers(tg, TG_SHAPE(1, n), d, specials), TG_SHAPE(rows, n));
    }
}
static void test_reductions(tg_ctx *tg, int times) {
    static const tg_dtype dtypes[] = { TG_F32, TG_F32, TG_F64, TG_F16, TG_BF16, TG_I64, TG_I32, TG_U8 };
    int t;
    for (t = 0; t < times; t++) {
        tg_mark m = tg_begin(tg);
        const int64_t rows = upto(t % 3 ? 40 : 200), n = upto(t % 2 ? 9 : 70);
        const tg_dtype d = dtypes[next() % 8];
        const int how = (int)(next() % 7), kind = (int)(next() % KINDS);
        bool columns;
        tg_tensor *x = layout(tg, how, rows, n, d, tg_dtype_is_float(d), &columns), *y;
        int64_t i;
        if ((kind == MEAN && !tg_dtype_is_float(d)) || (columns && kind < MAX_DIM)) { tg_end(tg, m); continue; }
        y = reduced(kind, x, 1);
        for (i = 0; i < rows; i++)
            if (!CHECK_MSG(same_bits(tg_select(y, 0, i), reduced(kind, tg_select(x, 0, i), 0)), "%s of [%d, %d], %s, layout %d, on %s: row %d",
                kind_names[kind], (int)rows, (int)n, tg_dtype_name(d), how, tg_isa_name(tg), (int)i)) break;
        CHECK_OK(tg); tg_clear(tg);
        tg_end(tg, m);
    }
}
static void test_softmax(tg_ctx *tg, int times) {
    static const tg_dtype dtypes[] = { TG_F32, TG_F32, TG_F64, TG_BF16 };
    int t;
    for (t = 0; t < times; t++) {
        tg_mark m = tg_begin(tg);
        const int64_t rows = upto(40), n = upto(t % 3 ? 17 : 40);
        const tg_dtype d = dtypes[next() % 4];
        const int how = (int)(next() % 7);
        bool columns, log = next() % 2 != 0;
        tg_tensor *x = layout(tg, how, rows, n, d, true, &columns), *y = log ? tg_log_softmax(x, 1) : tg_softmax(x, 1), *row,
            *target = tg_randint(tg, 0, n, TG_SHAPE(rows)), *loss = tg_cross_entropy(x, target, .reduction = TG_LOSS_NONE),
            *leaf = tg_require_grad(tg_detach(x), true), *total = tg_sum(tg_cross_entropy(leaf, target, .reduction = TG_LOSS_NONE)), *slopes, *slope;
        int64_t i;
        CHECK(tg_grad(&total, 1, &leaf, 1, &slopes));
        for (i = 0; i < rows; i++) {
            row = tg_narrow(x, 0, i, 1);
            leaf = tg_require_grad(tg_detach(row), true);
            total = tg_sum(tg_cross_entropy(leaf, tg_narrow(target, 0, i, 1), .reduction = TG_LOSS_NONE));
            if (!CHECK_MSG(tg_grad(&total, 1, &leaf, 1, &slope) && same_bits(tg_narrow(slopes, 0, i, 1), slope), "gradient of cross_entropy of [%d, %d], layout %d, %s, on %s: row %d",
                (int)rows, (int)n, how, tg_dtype_name(d), tg_isa_name(tg), (int)i)) break;
            if (!CHECK_MSG(same_bits(tg_narrow(y, 0, i, 1), log ? tg_log_softmax(row, 1) : tg_softmax(row, 1)) &&
                    same_bits(tg_narrow(loss, 0, i, 1), tg_cross_entropy(row, tg_narrow(target, 0, i, 1), .reduction = TG_LOSS_NONE)),
                "%s of [%d, %d], layout %d, %s, on %s: row %d", log ? "log_softmax" : "softmax", (int)rows, (int)n, how, tg_dtype_name(d), tg_isa_name(tg), (int)i)) break;
        }
        CHECK_OK(tg); tg_clear(tg);
        tg_end(tg, m);
    }
}
/* Two dimensions at once that cannot become one, results and places that do not lie side by side. */
static void test_dimensions(tg_ctx *tg) {
    int t;
    for (t = 0; t < 60; t++) {
        tg_mark m = tg_begin(tg);
        const int64_t a = upto(5), b = upto(40), c = upto(5), e = upto(3);
        tg_tensor *x = numbers(tg, TG_SHAPE(a, b, c, e), t % 2 ? TG_F32 : TG_F16, true), *y = tg_sum_dims(x, TG_DIMS(0, 2), false), *at = tg_argmax_dim(x, 2, false);
        int64_t i, k, l;
        for (i = 0; i < b && !tg_failed(tg); i++) for (k = 0; k < e; k++)
            if (e == 1 && c > 1) CHECK(same_bits(tg_select(tg_select(y, 0, i), 0, k), tg_sum(tg_select(tg_select(x, 1, i), 2, k))));
        for (l = 0; l < a && !tg_failed(tg); l++) for (i = 0; i < b; i++) for (k = 0; k < e; k++)
            if (!CHECK_MSG(same_bits(tg_select(tg_select(tg_select(at, 0, l), 0, i), 0, k), tg_argmax(tg_select(tg_select(tg_select(x, 0, l), 0, i), 1, k))),
                "argmax of [%d, %d, %d, %d] along 2, %s, on %s: %d %d %d", (int)a, (int)b, (int)c, (int)e, tg_dtype_name(x->dtype), tg_isa_name(tg), (int)l, (int)i, (int)k)) return;
        CHECK_OK(tg); tg_clear(tg);
        tg_end(tg, m);
    }
}
static void test_products(tg_ctx *tg, int times) {
    static const tg_dtype dtypes[] = { TG_F32, TG_F32, TG_F64, TG_BF16 };
    int t;
    for (t = 0; t < times; t++) {
        tg_mark m = tg_begin(tg);
        const int64_t batch = upto(12), rows = upto(17), k = upto(t % 5 ? 20 : 90), n = upto(t % 4 ? 18 : 70);
        const tg_dtype d = dtypes[next() % 4];
        const bool ta = next() % 3 == 0, tb = next() % 3 == 0, shared = next() % 4 == 0;
        tg_tensor *a = ta ? tg_transpose(numbers(tg, TG_SHAPE(2, batch, k, rows), d, false), 2, 3) : numbers(tg, TG_SHAPE(2, batch, rows, k), d, false);
        tg_tensor *b = tb ? tg_transpose(numbers(tg, TG_SHAPE(2, shared ? 1 : batch, n, k), d, false), 2, 3) : numbers(tg, TG_SHAPE(2, shared ? 1 : batch, k, n), d, false), *c;
        int64_t i, p;
        if (next() % 3 == 0) { a = tg_transpose(tg_contiguous(tg_transpose(a, 0, 1)), 0, 1); }
        c = tg_matmul(a, b);
        for (p = 0; p < 2; p++) for (i = 0; i < batch; i++)
            if (!CHECK_MSG(same_bits(tg_select(tg_select(c, 0, p), 0, i), tg_matmul(tg_select(tg_select(a, 0, p), 0, i), tg_select(tg_select(b, 0, p), 0, shared ? 0 : i))),
                "%d products [%d, %d] x [%d, %d], %s, %s: number %d", (int)batch, (int)rows, (int)k, (int)k, (int)n, tg_dtype_name(d), tg_isa_name(tg), (int)i)) break;
        CHECK_OK(tg); tg_clear(tg);
        tg_end(tg, m);
    }
}
/* A bias is added to each sum once, as by tg_add. */
static void test_linear(tg_ctx *tg, int times) {
    int t;
    for (t = 0; t < times; t++) {
        tg_mark m = tg_begin(tg);
        const int64_t rows = upto(60), k = upto(20), n = upto(40);
        const tg_dtype d = t % 3 ? TG_F32 : TG_F64;
        tg_tensor *x = numbers(tg, TG_SHAPE(rows, k), d, false), *w = numbers(tg, TG_SHAPE(n, k), d, false), *b = numbers(tg, 1, &n, d, false);
        if (t % 5 == 0) b = tg_select(numbers(tg, TG_SHAPE(n, 2), d, false), 1, 1);
        CHECK(same_bits(tg_linear(x, w, b), tg_add(tg_matmul(x, tg_t(w)), b)));
        CHECK_OK(tg); tg_clear(tg);
        tg_end(tg, m);
    }
}

static void put(tg_tensor *x, int64_t i, double v) { CHECK(tg_set(x, &i, v)); }
/* 2^28 elements of one byte's storage: pieces go through tiles, whatever the length. */
static void test_expanded(void) {
    tg_config c = test_config(NULL);
    tg_ctx *tg;
    tg_tensor *x, *at, *v;
    const int64_t n = (int64_t)1 << 28, part = (int64_t)1 << 18;
    c.memory_limit = 8 << 20;
    tg = tg_open(&c);
    if (!CHECK(tg != NULL)) return;
    CHECK_INT(tg_item_i64(tg_argmax(tg_expand(tg_full(tg, TG_SHAPE(1), 3, TG_U8), 1, &n))), 0);
    CHECK_OK(tg);
    /* the first of the largest, in a later piece; NaN before all */
    x = tg_zeros(tg, 1, &part);
    put(x, 100000, 2); put(x, 200000, 2); put(x, 50, 1);
    v = tg_max_dim(x, 0, false, &at);
    CHECK_INT(tg_item_i64(at), 100000); CHECK_NEAR(tg_item(v), 2, 0);
    CHECK_INT(tg_item_i64(tg_argmin(x)), 0);
    v = tg_max_dim(tg_expand(tg_reshape(x, TG_SHAPE(1, part)), TG_SHAPE(3, part)), 1, false, &at);
    CHECK_INT(tg_item_i64(tg_select(at, 0, 2)), 100000);
    put(x, 150000, tg_item(tg_div_scalar(tg_zeros(tg, TG_SCALAR), 0)));
    put(x, 170000, tg_item(tg_div_scalar(tg_zeros(tg, TG_SCALAR), 0)));
    CHECK_INT(tg_item_i64(tg_argmax(x)), 150000);
    CHECK_INT(tg_item_i64(tg_argmin(x)), 150000);
    CHECK_OK(tg);
    CHECK(tg_memory(tg).peak <= c.memory_limit);
    tg_close(tg);
}

static bool same_data(tg_tensor *a, tg_tensor *b) {
    return a && b && a->numel == b->numel && tg_is_contiguous(a) && tg_is_contiguous(b) && memcmp(a->data, b->data, (size_t)a->numel * tg_dtype_size(a->dtype)) == 0;
}
/* Long runs are read at several places by turns: the bits are those of a run that is not packed, which is read from its beginning to its end. */
static void test_long(tg_ctx *tg) {
    static const int64_t lengths[] = { 16384 * 17, 16384 * 24 + 5, 16384 * 37 + 64, 16384 * 16 + 1 };
    int i;
    for (i = 0; i < 8; i++) {
        tg_mark m = tg_begin(tg);
        const int64_t n = lengths[i / 2];
        tg_tensor *both = tg_to(tg_randn(tg, TG_SHAPE(n, 2)), i % 2 ? TG_F64 : TG_F32), *far = tg_select(both, 1, 1), *x = tg_contiguous(far), *p, *g, *want;
        double norm, sum = 0;
        int64_t k;
        CHECK(same_bits(tg_sum(far), tg_sum(x)));
        CHECK(same_bits(tg_mean(far), tg_mean(x)));
        CHECK(same_data(tg_contiguous(tg_cumsum(far, 0)), tg_cumsum(x, 0)));
        p = tg_require_grad(tg_zeros_like(x), true);
        CHECK(tg_backward(tg_sum(tg_mul(p, x))));
        g = tg_grad_of(p);
        for (k = 0; k < n; k++) { const double v = i % 2 ? ((double *)x->data)[k] : (double)((float *)x->data)[k]; sum += v * v; }
        norm = tg_clip_grad_norm_(&p, 1, 1e30);
        CHECK_NEAR(norm * norm / sum, 1, 2e-6);
        CHECK(same_data(g, x));
        want = tg_mul_scalar(x, 2 / (norm + 1e-6));
        CHECK(tg_clip_grad_norm_(&p, 1, 2) == norm);
        CHECK(same_data(g, want));
        CHECK_OK(tg); tg_clear(tg);
        tg_end(tg, m);
    }
}
/* A number that is too small for the processor's fast way is the same at the head of a row among rows and of a row alone. */
static void test_tiny(tg_ctx *tg) {
    tg_tensor *x = tg_full(tg, TG_SHAPE(33, 9), 1e-45, TG_F32);
    CHECK(same_data(tg_cumsum(tg_select(x, 0, 0), 0), tg_contiguous(tg_select(tg_cumsum(x, 1), 0, 0))));
    CHECK_OK(tg);
}
/* Sums so far of short rows are those of a loop, of which four elements at a time are added in pairs; large numbers that cancel show the order. */
static void test_sums_so_far(tg_ctx *tg) {
    int64_t n, rows, i, k;
    for (n = 1; n <= 21; n++) for (rows = 1; rows <= 34; rows += 11) {
        tg_mark m = tg_begin(tg);
        tg_tensor *big = tg_mul_scalar(tg_to(tg_randint(tg, -1, 2, TG_SHAPE(rows, n)), TG_F32), 1e17), *x = tg_add(big, tg_mul(tg_randn(tg, TG_SHAPE(rows, n)), tg_to(tg_eq_scalar(big, 0), TG_F32))), *y = tg_cumsum(x, 1);
        bool good = CHECK(y != NULL);
        for (i = 0; i < rows && good; i++) {
            const float *v = (const float *)x->data + i * n, *have = (const float *)y->data + i * n;
            double s = -0.0, to = 0;
            for (k = 0; k < n; k++) {
                const int64_t at = k & -4;
                if (at + 4 > n) to = s = s + (double)v[k];
                else if (k == at) to = s + (double)v[k];
                else if (k == at + 1) to = s + ((double)v[at] + (double)v[k]);
                else if (k == at + 2) to = s + (((double)v[at] + (double)v[at + 1]) + (double)v[k]);
                else to = s = s + (((double)v[at] + (double)v[at + 1]) + ((double)v[at + 2] + (double)v[k]));
                good = good && CHECK_MSG(have[k] == (float)to, "sums so far of [%d, %d], on %s: row %d, place %d", (int)rows, (int)n, tg_isa_name(tg), (int)i, (int)k);
            }
        }
        tg_end(tg, m);
    }
    CHECK_OK(tg);
}
/* Results that no cache holds are written past them: the same as by pieces, and as in place. */
static void test_large(void) {
    tg_config c = test_config(NULL);
    tg_ctx *tg = tg_open(&c);
    const int64_t n = ((int64_t)8 << 20) + 1234, piece = 1000003;
    tg_tensor *a, *b, *y;
    int64_t at;
    if (!CHECK(tg != NULL)) return;
    a = tg_randn(tg, TG_SHAPE(n)); b = tg_randn(tg, TG_SHAPE(n)); y = tg_add(a, b);
    for (at = 0; at < n && CHECK(y != NULL); at += piece) {
        const int64_t m = n - at < piece ? n - at : piece;
        CHECK(same_data(tg_narrow(y, 0, at, m), tg_add(tg_narrow(a, 0, at, m), tg_narrow(b, 0, at, m))));
    }
    CHECK(same_data(tg_add_(a, b), y));
    CHECK_OK(tg);
    tg_close(tg);
}

int main(void) {
    static const tg_isa isas[] = { TG_ISA_PLAIN, TG_ISA_AVX2, TG_ISA_AVX512, TG_ISA_NEON, TG_ISA_SIMD128 };
    int i;
    for (i = 0; i < 6; i++) {
        tg_config c = test_config(NULL);
        tg_ctx *tg;
        c.strict = i == 5;
        if (i < 5) { if (!tg_isa_supported(isas[i])) continue; c.isa = isas[i]; }
        if (c.strict && !tg_isa_supported(TG_ISA_AVX2) && !tg_isa_supported(TG_ISA_NEON)) { SKIP("strict mode, where no instruction set here has a fused multiply-add"); continue; }
        tg = tg_open(&c);
        if (!CHECK(tg != NULL)) continue;
        test_reductions(tg, 1500);
        test_sums_so_far(tg);
        test_softmax(tg, 400);
        test_dimensions(tg);
        test_products(tg, 300);
        test_linear(tg, 100);
        test_long(tg);
        test_tiny(tg);
        tg_close(tg);
    }
    test_expanded();
    test_large();
    return test_end("short");
}
