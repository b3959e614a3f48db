/* Numbers at the edge of int64 in places where they are legal: strides of dimensions that have one position or none, strides, dilations and paddings of a convolution that reach nothing, integers that
   only just fit. The results are those of modest numbers, to the bit, and no arithmetic overflows: the part `sanitize` runs this file under the undefined-behaviour sanitizer.
   Closes with  extremes: N passed, N failed, N skipped. */
#include "test.h"
#include <math.h>
#include "op_list.h"

static tg_ctx *tg;

/* t's values, seen through strides that say as little as they may. */
static tg_tensor *wild(tg_tensor *t, int which) {
    static const int64_t odd[4] = { INT64_MAX, INT64_MIN, INT64_MIN + 1, (int64_t)1 << 62 };
    int64_t stride[TG_MAX_DIMS];
    int i;
    for (i = 0; i < t->ndim; i++) stride[i] = t->numel == 0 || t->shape[i] == 1 ? odd[(i + which) & 3] : t->stride[i];
    return tg_as_strided(t, t->ndim, t->shape, stride, 0);
}
/* The result and the gradients of a call, the operands as they are or through wild strides. */
static bool results(op_job *j, tg_tensor *const *x, int n, int which, tg_tensor **out) {
    tg_tensor *leaf[4], *seen[4], *y;
    int i;
    for (i = 0; i < n; i++) {
        leaf[i] = tg_require_grad(tg_contiguous(tg_detach(x[i])), true);
        seen[i] = which < 0 ? leaf[i] : wild(leaf[i], which);
    }
    if (!call_op(j, seen, n, &y, 1)) return false;
    out[0] = y;
    return tg_grad(&y, 1, leaf, n, out + 1, .grad_outputs = &y, .allow_unused = true);
}
static void test_strides(void) {
    static const char *const more[] = { "matmul", "1 5;5 1", "matmul", "3 1;1 4", "matmul", "1 70;70 1", "matmul", "2 1 3;2 3 1", "matmul", "1 1 1;1 1 1", "linear", "1 3;1 3;1", "linear", "1 1 3;4 3;4", "linear", "3 1;2 1;2",
        "softmax", "1 4|4 1|1 1", "sort", "1 4|4 1", "sum", "1 4|4 1|1 1 1", "amax", "1 4|4 1", "conv2d", "1 1 4 4;1 1 1 1;1|1 2 1 1;2 2 1 1|1 1 4 1;2 1 3 1|1 1 1 4;1 1 1 2|2 1 3 3;1 1 3 3;1", "cat", "1 3;1 3", "index_select", "3 1|3 1 1",
        "gather", "3 1", "scatter", "4 1;3 1", "scatter_add", "4 1;4 1", "cross_entropy", "1 3|1 1 ", "copy_", "1 3;1 3|3 1;1", "permute", "1 2 1", "slice", "3 1", "prod", "1 4|4 1" };
    int k, which;
    size_t e;
    for (k = 0; k < (int)(sizeof ops / sizeof ops[0]); k++) {
        size_t lists = 1 + sizeof more / sizeof more[0] / 2;
        for (e = 0; e < lists; e++) {
            const char *s = e == 0 ? ops[k].operands : more[2 * e - 1];
            if (e && !is(ops[k].op, more[2 * e - 2])) continue;
            for (;; s++) {
                const tg_mark m = tg_begin(tg);
                op_job j;
                tg_tensor *x[4], *plain[5], *other[5];
                int n, i;
                bool wide, ones = false;
                s = op_operands(tg, &ops[k], s, &j, x, &n, &wide);
                for (i = 0; i < n; i++) { int d; for (d = 0; d < x[i]->ndim; d++) ones = ones || x[i]->shape[d] <= 1; }
                if (ones && results(&j, x, n, -1, plain))
                    for (which = 0; which < 4; which++) {
                        if (!CHECK_MSG(results(&j, x, n, which, other), "%s, operands %s: %s", ops[k].called, s, tg_error_text(tg))) { tg_clear(tg); continue; }
                        for (i = 0; i <= n; i++)
                            CHECK_MSG(plain[i] == other[i] || same(plain[i], other[i]), "%s (%s), case before '%s', wild %d: %s %d differs", ops[k].called, ops[k].op, s, which, i ? "gradient" : "result", i);
                    }
                tg_clear(tg);                                   /* what `more` asks may be no operand of this function */
                tg_end(tg, m);
                if (!*s) break;
            }
        }
    }
    for (k = 0; k < OP_ROWS; k++)                                   /* elementwise, in place too */
        for (which = 0; which < 4; which++) {
            static const int64_t shapes[3][3] = { { 1, 3, 1 }, { 1, 1, 1 }, { 2, 0, 1 } };
            int v, i;
            for (v = 0; v < 3; v++) {
                const tg_mark m = tg_begin(tg);
                tg_tensor *x[3], *seen[3];
                double p[2];
                if (is(rows[k].types, "WHOLE")) { tg_end(tg, m); continue; }
                numbers_of(&rows[k], TG_F32, p);
                for (i = 0; i < rows[k].n; i++) { x[i] = operand(tg, &rows[k], i, TG_F32, 3, shapes[v], LAY_ROW_MAJOR); seen[i] = wild(x[i], which + i); }
                CHECK_MSG(same(rows[k].call(x, p), rows[k].call(seen, p)), "%s wild", rows[k].name);
                CHECK_OK(tg);
                tg_end(tg, m);
            }
        }
}

/* The same convolution, first and second order, with modest numbers and with these. */
typedef struct shaped { int64_t x[4], w[4], stride[2], padding[2], dilation[2]; } shaped;
static bool convolve(const shaped *s, const shaped *at, tg_dtype dtype, tg_tensor **out) {
    tg_tensor *x, *w, *y, *g[2];
    int64_t nx = size_of(4, s->x), nw = size_of(4, s->w);
    x = tg_require_grad(tg_to(tg_add_scalar(tg_mul_scalar(tg_reshape(tg_arange(tg, 0, (double)nx, 1, TG_F64), 4, s->x), 0.25), -1), dtype), true);
    w = tg_require_grad(tg_to(tg_add_scalar(tg_mul_scalar(tg_reshape(tg_arange(tg, 0, (double)nw, 1, TG_F64), 4, s->w), -0.5), 2), dtype), true);
    y = tg_conv2d(x, w, NULL, .stride = {at->stride[0], at->stride[1]}, .padding = {at->padding[0], at->padding[1]}, .dilation = {at->dilation[0], at->dilation[1]});
    out[0] = y;
    g[0] = x; g[1] = w;
    return y && tg_grad(&y, 1, g, 2, out + 1, .grad_outputs = &y, .create_graph = true) && tg_grad(out + 1, 2, g, 2, out + 3, .grad_outputs = out + 1);
}
static void test_convolution(void) {
    static const int64_t most = INT64_MAX, wide = INT64_MAX / 8;
    int k, i, d;
    const shaped cases[][2] = {                                  /* as one would write it; as one may */
        { { { 1, 1, 3, 3 }, { 1, 1, 3, 3 }, { 1, 1 }, { 0, 0 }, { 1, 1 } }, { { 0 }, { 0 }, { most, most }, { 0, 0 }, { 1, 1 } } },
        { { { 2, 3, 4, 4 }, { 2, 3, 3, 3 }, { 3, 3 }, { 0, 0 }, { 1, 1 } }, { { 0 }, { 0 }, { most - 1, most - 2 }, { 0, 0 }, { 1, 1 } } },
        { { { 2, 3, 5, 3 }, { 2, 3, 3, 2 }, { 2, 2 }, { 0, 0 }, { 1, 1 } }, { { 0 }, { 0 }, { 2, most }, { 0, 0 }, { 1, 1 } } },
        { { { 2, 3, 3, 5 }, { 2, 3, 2, 3 }, { 2, 2 }, { 0, 0 }, { 1, 1 } }, { { 0 }, { 0 }, { most - 3, 2 }, { 0, 0 }, { 1, 1 } } },
        { { { 2, 2, 4, 4 }, { 3, 2, 1, 1 }, { 1, 1 }, { 0, 0 }, { 1, 1 } }, { { 0 }, { 0 }, { 1, 1 }, { 0, 0 }, { most, most - 1 } } },
        { { { 2, 2, 4, 4 }, { 3, 2, 1, 2 }, { 2, 1 }, { 0, 1 }, { 1, 2 } }, { { 0 }, { 0 }, { 2, 1 }, { 0, 1 }, { most, 2 } } },
        { { { 2, 2, 1, 1 }, { 3, 2, 1, 1 }, { 1, 1 }, { 0, 0 }, { 1, 1 } }, { { 0 }, { 0 }, { most, most }, { 0, 0 }, { most, most } } },
        { { { 2, 2, 1, 3 }, { 3, 2, 2, 2 }, { 2, 2 }, { 1, 1 }, { 1, 1 } }, { { 0 }, { 0 }, { 2, 2 }, { 1, 1 }, { 1, 1 } } },
        { { { 1, 1, 1, 1 }, { 1, 1, 1, 1 }, { 4, 4 }, { 4, 4 }, { 1, 1 } }, { { 0 }, { 0 }, { wide, wide }, { wide, wide }, { most, most } } },     /* three positions, the middle one meets x */
        { { { 1, 2, 2, 3 }, { 2, 2, 1, 1 }, { 4, 4 }, { 4, 4 }, { 1, 1 } }, { { 0 }, { 0 }, { wide, wide }, { wide, wide }, { 1, 1 } } },
        { { { 1, 2, 2, 2 }, { 2, 2, 1, 1 }, { 9, 9 }, { 3, 3 }, { 1, 1 } }, { { 0 }, { 0 }, { most, most }, { wide, wide }, { 1, 1 } } } };        /* one position, in the padding */
    static const tg_dtype types[3] = { TG_F32, TG_F64, TG_BF16 };
    for (k = 0; k < (int)(sizeof cases / sizeof cases[0]); k++)
        for (d = 0; d < 3; d++) {
            const tg_mark m = tg_begin(tg);
            tg_tensor *a[5], *b[5];
            const bool both = convolve(&cases[k][0], &cases[k][0], types[d], a) && convolve(&cases[k][0], &cases[k][1], types[d], b);
            if (CHECK_MSG(both, "convolution %d: %s", k, tg_error_text(tg)))
                for (i = 0; i < 5; i++) CHECK_MSG(same(a[i], b[i]), "convolution %d, result %d", k, i);
            tg_clear(tg);
            tg_end(tg, m);
        }
}

static void test_ramps(void) {
    const tg_mark m = tg_begin(tg);
    tg_tensor *t;
    CHECK(!tg_arange(tg, -9.3e18, -9.2e18, 1e17, TG_I64)); CHECK_ERROR(tg, TG_ERROR_VALUE);
    CHECK(!tg_arange(tg, 9.3e18, 9.2e18, -1e17, TG_I64)); CHECK_ERROR(tg, TG_ERROR_VALUE);
    CHECK(!tg_arange(tg, 9e18, 1e19, 1e17, TG_I64)); CHECK_ERROR(tg, TG_ERROR_VALUE);
    CHECK(!tg_arange(tg, 0, 1e19, 1e19, TG_I64)); CHECK_ERROR(tg, TG_ERROR_VALUE);
    CHECK(!tg_arange(tg, -9.3e18, -9.2e18, 1e17, TG_U8)); CHECK_ERROR(tg, TG_ERROR_VALUE);
    t = tg_arange(tg, -9223372036854775808.0, 9e18, 6e18, TG_I64);
    if (CHECK(t && t->numel == 4)) { const int64_t *v = (const int64_t *)t->data; CHECK(v[0] == INT64_MIN && v[1] == INT64_MIN + 6000000000000000000 && v[3] == v[2] + 6000000000000000000); }
    t = tg_arange(tg, -9.3e18, -9.2e18, 5e16, TG_F64);
    CHECK(t && t->numel == 2);
    t = tg_arange(tg, -2, 1, 1, TG_U8);                           /* as torch: the low bits */
    if (CHECK(t && t->numel == 3)) CHECK(((const uint8_t *)t->data)[0] == 254 && ((const uint8_t *)t->data)[2] == 0);
    tg_end(tg, m);
}

/* In strict mode every NaN of a formula is one NaN, whoever compiled it and for whatever processor: its sign is none of the operands'. */
static void one_nan(tg_tensor *t, const char *name, const char *what) {
    int64_t i, wrong = 0;
    for (i = 0; t && i < t->numel; i++) {
        if (t->dtype == TG_F32) { uint32_t u; memcpy(&u, (const char *)t->data + 4 * i, 4); wrong += (u & 0x7fffffff) > 0x7f800000 && u != 0x7fc00000; }
        else if (t->dtype == TG_F64) { uint64_t u; memcpy(&u, (const char *)t->data + 8 * i, 8); wrong += (u << 1) > (uint64_t)0x7ff << 53 && u != (uint64_t)0x7ff8 << 48; }
    }
    CHECK_MSG(t && wrong == 0, "%s, %s: %d NaNs are others, or there is no result", name, what, (int)wrong);
}
static void test_nans(void) {
    const double v[12] = { -NAN, NAN, -INFINITY, INFINITY, -2, 2, 0, -0.0, 1, -1, 0.5, -0.5 };
    const tg_dtype types[2] = { TG_F32, TG_F64 };
    tg_config c = test_config(NULL);
    tg_ctx *other = tg, *strict;
    int k, d, i;
    c.strict = true;
    strict = tg_open(&c);
    if (!strict) { SKIP("this build has no strict mode"); return; }
    tg = strict;
    for (k = 0; k < OP_ROWS; k++) for (d = 0; d < 2; d++) {
        const tg_mark m = tg_begin(tg);
        tg_tensor *x[3], *y, *g[3];
        double p[2];
        if (is(rows[k].types, "WHOLE")) { tg_end(tg, m); continue; }
        numbers_of(&rows[k], types[d], p);
        for (i = 0; i < rows[k].n; i++) {                       /* all pairs, as a square; one of three goes along */
            int64_t shape[2];
            tg_tensor *line = tg_to(tg_from(tg, TG_SHAPE(12), TG_F64, v), types[d]);
            shape[0] = i == 0 ? 12 : 1; shape[1] = i == 0 ? 1 : 12;
            x[i] = rows[k].n == 1 ? line : tg_reshape(line, 2, shape);
            if (is(rows[k].types, "CHOOSE") && i == 0) x[i] = tg_gt_scalar(x[i], 0);
            else x[i] = tg_require_grad(x[i], true);
        }
        y = rows[k].call(x, p);
        one_nan(y, rows[k].name, "value");
        if (y && y->requires_grad) {
            i = is(rows[k].types, "CHOOSE");
            if (CHECK(tg_grad(&y, 1, x + i, rows[k].n - i, g, .grad_outputs = &y, .allow_unused = true)) && rows[k].n == 1) one_nan(g[0], rows[k].name, "gradient");
        }
        CHECK_OK(tg);
        tg_clear(tg);
        tg_end(tg, m);
    }
    tg_close(strict);
    tg = other;
}

int main(void) {
    tg = test_open();
    if (!tg) return test_end("extremes");
    test_strides();
    test_convolution();
    test_ramps();
    test_nans();
    CHECK_OK(tg);
    test_close(tg);
    return test_end("extremes");
}
