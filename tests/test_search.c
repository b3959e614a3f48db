/* Searching and scattered writing: what the golden cases do not reach. Indices of all kinds, NaN, several runs and places at once, refusals and their words, the same bits with any number of threads, NULL
   operands, memory that runs out at any allocation.   run.sh flags: -Wl,--no-as-needed -lm -lpthread */
#include "test.h"
#include <math.h>

static tg_ctx *tg;
static tg_tensor *line(int64_t n, const double *v) { return tg_from(tg, TG_SHAPE(n), TG_F64, v); }
#define F64(...) line((int64_t)(sizeof (double[]){ __VA_ARGS__ } / sizeof(double)), (const double[]){ __VA_ARGS__ })
#define I64(...) tg_from(tg, TG_SHAPE((int64_t)(sizeof (int64_t[]){ __VA_ARGS__ } / sizeof(int64_t))), TG_I64, (const int64_t[]){ __VA_ARGS__ })
#define MASK(...) tg_to(I64(__VA_ARGS__), TG_BOOL)
#define LIST(...) (tg_tensor *[]){ __VA_ARGS__ }
static tg_tensor *leaf(tg_tensor *t) { return tg_require_grad(t, true); }
static double at(tg_tensor *t, int64_t i) { return t ? tg_item(tg_select(tg_flatten(t, 0, -1), 0, i)) : NAN; }
static bool reads(tg_tensor *t, const char *text) {        /* "f64[2, 3] [...]": dtype, shape and all elements */
    char line[256] = "nothing";
    int n = 0, d;
    int64_t i;
    if (t) n = sprintf(line, "%s[", tg_dtype_name(t->dtype));
    for (d = 0; t && d < t->ndim; d++) n += sprintf(line + n, d ? ", %d" : "%d", (int)t->shape[d]);
    for (i = 0; t && i < t->numel; i++) n += sprintf(line + n, i ? ", %g" : "] [%g", at(t, i));
    if (t) sprintf(line + n, "]");
    return CHECK_MSG(strcmp(line, text) == 0, "%s, wanted %s: %s", line, text, tg_error_text(tg));
}
static tg_tensor *slope(tg_tensor *y, tg_tensor *x) {
    tg_tensor *g = NULL;
    y = tg_sum(y);
    return tg_grad(&y, 1, &x, 1, &g) ? g : NULL;
}
#define REFUSED(code, call, text) do { CHECK(!(call)); CHECK_MSG(strstr(tg_error_text(tg), text) != NULL, "%s", tg_error_text(tg)); CHECK_ERROR(tg, code); } while (0)

static void test_index(void) {
    tg_tensor *x = tg_view(tg_arange(tg, 0, 24, 1, TG_F64), TG_SHAPE(2, 3, 4)), *y;
    tg_tensor *one = tg_full(tg, TG_SCALAR, 1, TG_BOOL), *i = I64(1, -1, 0);
    /* dimensions that are neighbours keep their place, others come first */
    CHECK(tg_index(x, LIST(NULL, i, i), 3)->shape[0] == 2); CHECK(tg_index(x, LIST(i = I64(0, 1, 1), NULL, i), 3)->shape[0] == 3);
    CHECK(at(tg_index(x, LIST(I64(0, 1), NULL, I64(-1, 0)), 3), 1) == 7 && at(tg_index(x, LIST(I64(0, 1), NULL, I64(-1, 0)), 3), 3) == 12);
    y = tg_index(x, LIST(tg_gt_scalar(x, 20.5)), 1); CHECK(y->numel == 3 && at(y, 0) == 21);
    y = tg_index(x, LIST(one), 1); CHECK(y->ndim == 4 && y->shape[0] == 1);
    y = tg_index(x, LIST(tg_logical_not(one)), 1); CHECK(y->ndim == 4 && y->numel == 0);
    CHECK(tg_equal(tg_index_put(x, LIST(one), 1, tg_number(tg, 7), false), tg_full_like(x, 7)));
    CHECK(tg_equal(tg_index_put(x, LIST(NULL, MASK(1, 0, 1)), 2, tg_integer(tg, 0), false), tg_mul(x, tg_view(F64(0, 1, 0), TG_SHAPE(1, 3, 1)))));
    y = tg_index_put(x, LIST(I64(1, 1), NULL, I64(2, 2)), 3, F64(1, 2, 4), true);
    CHECK(at(y, 14) == 16 && at(y, 18) == 22 && at(y, 22) == 30);
    y = tg_index_put(tg_t(tg_zeros(tg, TG_SHAPE(3, 2))), LIST(I64(0, 0), I64(2, 2)), 2, tg_full(tg, TG_SCALAR, 1, TG_F32), true); CHECK(at(y, 2) == 2 && tg_item(tg_sum(y)) == 2);
    CHECK_OK(tg);
    REFUSED(TG_ERROR_VALUE, tg_index(x, LIST(I64(0), I64(3)), 2), "index: index 3 (element 0 of the indices) is out of range: dimension 0 of i64[3]");
    REFUSED(TG_ERROR_VALUE, tg_index(x, LIST(I64(0), I64(-4)), 2), "index -1");
    REFUSED(TG_ERROR_VALUE, tg_index_put(x, LIST(NULL, I64(5)), 2, tg_number(tg, 1), false), "index_put: index 5 (element 0 of the indices) is out of range: dimension 1");
    REFUSED(TG_ERROR_SHAPE, tg_index(x, LIST(I64(0), I64(0), I64(0), I64(0)), 4), "index: more indices than f64[2, 3, 4] has dimensions");
    REFUSED(TG_ERROR_SHAPE, tg_index(x, LIST(MASK(1, 0, 1)), 1), "the mask bool[3] does not fit the dimensions of f64[2, 3, 4] from 0 on");
    REFUSED(TG_ERROR_SHAPE, tg_index(x, LIST(I64(0, 1), I64(0, 1, 2)), 2), "do not broadcast");
    REFUSED(TG_ERROR_VALUE, tg_index(x, LIST(NULL, NULL), 2), "at least one index is needed");
    REFUSED(TG_ERROR_DTYPE, tg_index(x, LIST(F64(1)), 1), "indices are i64 or i32, got f64[1]");
    REFUSED(TG_ERROR_DTYPE, tg_index_put(x, LIST(I64(0)), 1, I64(1), false), "operands need one dtype");
    REFUSED(TG_ERROR_SHAPE, tg_index_put(x, LIST(I64(0)), 1, F64(1, 2, 3), false), "cannot be expanded");
    REFUSED(TG_ERROR_VALUE, tg_put(x, I64(24), F64(1), false), "put: index 24");
    REFUSED(TG_ERROR_SHAPE, tg_put(x, I64(0, 1), F64(1), false), "does not fit");
    REFUSED(TG_ERROR_SHAPE, tg_masked_scatter(F64(1, 2), MASK(1, 1), F64(5)), "masked_scatter: the mask is true at 2 places, and the source f64[1] has fewer elements");
    REFUSED(TG_ERROR_SHAPE, tg_masked_fill_tensor(F64(1, 2), MASK(1, 1), F64(5)), "masked_fill: the value is one number");
    REFUSED(TG_ERROR_SHAPE, tg_select_scatter(x, F64(1, 2, 3, 4), 0, 0), "select_scatter: the part is f64[3, 4] and is to be replaced by f64[4]");
}
static void test_scatter(void) {
    tg_tensor *x = leaf(F64(2, 3, 5)), *src = leaf(F64(7, 0, 0, 4)), *i = I64(0, 1, 2, 2), *y;
    y = tg_scatter_reduce(x, 0, i, src, TG_SCATTER_PROD, true); reads(tg_detach(y), "f64[3] [14, 0, 0]");
    reads(slope(y, src), "f64[4] [2, 3, 20, 0]");                              /* the product of all others */
    reads(slope(tg_scatter_reduce(x, 0, i, src, TG_SCATTER_PROD, true), x), "f64[3] [7, 0, 0]");
    reads(slope(tg_scatter_reduce(x, 0, I64(0, 0, 1, 1), F64(2, 2, 1, 9), TG_SCATTER_AMAX, true), x), "f64[3] [0.333333, 0, 1]");
    reads(tg_scatter_reduce(I64(9, 9), 0, I64(0, 0), I64(-3, -4), TG_SCATTER_MEAN, false), "i64[2] [-4, 9]");
    reads(tg_scatter_reduce(I64(9, 9), 0, I64(0, 0), I64(-3, -4), TG_SCATTER_AMAX, false), "i64[2] [-3, 9]");
    reads(tg_scatter_reduce(tg_to(I64(9, 9), TG_U8), 0, I64(0, 0), tg_to(I64(3, 4), TG_U8), TG_SCATTER_AMIN, false), "u8[2] [3, 9]");
    CHECK(isnan(at(tg_scatter_reduce(F64(1, NAN), 0, I64(0, 1), F64(NAN, 2), TG_SCATTER_AMAX, true), 0)) && isnan(at(tg_scatter_reduce(F64(1, NAN), 0, I64(0, 1), F64(NAN, 2), TG_SCATTER_AMIN, true), 1)));
    reads(tg_scatter(F64(1, 2), 0, I64(1), tg_number(tg, 5)), "f64[2] [1, 5]"); reads(tg_scatter_add(I64(1, 2), 0, I64(1, 1), tg_integer(tg, 5)), "i64[2] [1, 12]");
    CHECK_OK(tg);
    REFUSED(TG_ERROR_VALUE, tg_scatter_reduce(x, 0, I64(3), F64(1), TG_SCATTER_AMAX, true), "scatter_reduce: index 3");
    REFUSED(TG_ERROR_VALUE, tg_scatter_reduce(x, 0, i, src, (tg_scatter_kind)9, true), "TG_SCATTER_");
    REFUSED(TG_ERROR_DTYPE, tg_index_reduce(x, 0, i, I64(1, 2, 3, 4), TG_SCATTER_AMAX, true), "one dtype");
}
static void test_search(void) {
    tg_tensor *s = F64(-INFINITY, -0.0, 0.0, 1, 1, INFINITY, NAN), *y, *inverse = NULL, *counts = NULL;
    reads(tg_searchsorted(s, F64(0, -0.0, 1, NAN, -INFINITY, INFINITY, 0.5)), "i64[7] [1, 1, 3, 6, 0, 5, 3]");
    reads(tg_searchsorted(s, F64(0, -0.0, 1, NAN, -INFINITY, INFINITY, 0.5), .right = true, .int32 = true), "i32[7] [3, 3, 5, 7, 1, 6, 3]");
    reads(tg_searchsorted(I64(1, 2, 3), tg_number(tg, 2.5)), "i64[] [2]"); reads(tg_bucketize(tg_integer(tg, 2), I64(1, 2, 3), true, false), "i64[] [2]");
    REFUSED(TG_ERROR_DTYPE, tg_searchsorted(s, I64(1)), "searchsorted: operands need one dtype");
    REFUSED(TG_ERROR_SHAPE, tg_searchsorted(tg_zeros(tg, TG_SHAPE(2, 3)), tg_zeros(tg, TG_SHAPE(3, 2))), "the same sizes in front");
    REFUSED(TG_ERROR_VALUE, tg_searchsorted(F64(1, 2), F64(1), .sorter = I64(0, 2)), "index 2");
    REFUSED(TG_ERROR_SHAPE, tg_bucketize(F64(1), tg_number(tg, 1), false, false), "boundaries are [N]");
    y = tg_unique(F64(3, 1, NAN, 3, NAN, -0.0, 0), &inverse, &counts);
    reads(y, "f64[5] [-0, 1, 3, nan, nan]"); reads(inverse, "i64[7] [2, 1, 3, 2, 4, 0, 0]"); reads(counts, "i64[5] [2, 1, 2, 1, 1]");
    y = tg_unique_dim(tg_t(tg_view(F64(2, 1, 2, 0, 1, 1, 9, 5, 5), TG_SHAPE(3, 3))), 0, &inverse, &counts);    /* rows [2 0 9], [1 1 5], [2 1 5] */
    reads(y, "f64[3, 3] [1, 1, 5, 2, 0, 9, 2, 1, 5]"); reads(inverse, "i64[3] [1, 0, 2]");
    y = tg_unique_consecutive(I64(1, 1, 0, 1, 1, 1), &inverse, &counts);
    reads(y, "i64[3] [1, 0, 1]"); reads(inverse, "i64[6] [0, 0, 1, 2, 2, 2]"); reads(counts, "i64[3] [2, 1, 3]");
    REFUSED(TG_ERROR_SHAPE, tg_unique_dim(tg_zeros(tg, TG_SHAPE(2, 0)), 0, NULL, NULL), "have no elements to compare");
    reads(tg_mode(F64(2, 3, 1, 3, 2, NAN), 0, false, &inverse), "f64[] [2]"); CHECK(tg_item_i64(inverse) == 4);
    reads(tg_isin(F64(1, NAN, INFINITY), F64(INFINITY, 1, NAN), false), "bool[3] [1, 0, 1]");
    reads(tg_isin(I64(1, 2), tg_number(tg, 2), true), "bool[2] [1, 0]");
    reads(tg_bincount(tg_to(I64(1, 1, 3), TG_U8), NULL, 0), "i64[4] [0, 2, 0, 1]");
    REFUSED(TG_ERROR_VALUE, tg_bincount(I64(1, -1), NULL, 0), "no negative number");
    reads(tg_histc(F64(0, 0.5, 1, 2, NAN), 2, 0, 1), "f64[2] [1, 2]");
    REFUSED(TG_ERROR_VALUE, tg_histc(F64(0, INFINITY), 2, 0, 0), "histc: the range of x");
    reads(tg_quantile(F64(4, 1, 3), F64(0, 0.25, 1)), "f64[3] [1, 2, 4]"); CHECK(isnan(tg_item(tg_quantile(F64(4, NAN, 3), tg_number(tg, 0)))));
    reads(tg_nanquantile(F64(4, NAN, 3), tg_number(tg, 0.5), .keepdim = true), "f64[1] [3.5]");
    REFUSED(TG_ERROR_VALUE, tg_quantile(F64(4), tg_number(tg, 1.5)), "every q must be between 0 and 1");
    REFUSED(TG_ERROR_DTYPE, tg_quantile(tg_to(F64(4), TG_F32), F64(0.5)), "one dtype");
    CHECK(tg_item(tg_gcd(tg_integer(tg, -12), tg_integer(tg, 18))) == 6 && tg_item(tg_lcm_scalar(I64(4), -6)) == 12 && tg_item(tg_gcd(I64(0), I64(0))) == 0);
    REFUSED(TG_ERROR_SHAPE, tg_embedding_bag(I64(1), tg_zeros(tg, TG_SHAPE(2, 2))), "without offsets");
    REFUSED(TG_ERROR_VALUE, tg_embedding_bag(I64(1), tg_zeros(tg, TG_SHAPE(2, 2)), .offsets = I64(1)), "the first offset must be 0");
    CHECK_OK(tg);
}
/* Rows that are used twice have half of each gradient; those of the padding none; long ones are shortened in the table. */
static void test_embedding(void) {
    tg_tensor *w = leaf(tg_view(F64(3, 4, 1, 0, 6, 8), TG_SHAPE(3, 2))), *i = I64(0, 2, 0);
    reads(slope(tg_embedding(i, w, .scale_grad_by_freq = true), w), "f64[3, 2] [1, 1, 0, 0, 1, 1]");
    reads(slope(tg_embedding(i, w, .padding_idx = TG_IS(-1)), w), "f64[3, 2] [2, 2, 0, 0, 0, 0]");
    CHECK_NEAR(at(tg_embedding(i, w, .max_norm = TG_IS(5)), 2), 3, 1e-6);
    CHECK_NEAR(at(w, 5), 4, 1e-6); CHECK(at(w, 1) == 4 && at(w, 2) == 1);
    reads(tg_detach(tg_embedding_bag(I64(0, 2, 1), tg_detach(w), .offsets = I64(0, 2, 2), .mode = TG_BAG_MAX, .padding_idx = TG_IS(2))), "f64[3, 2] [3, 4, 0, 0, 1, 0]");
    CHECK_OK(tg);
}
/* Chunks are cut by size: long rows, many rows, with one thread and with three. */
static void test_threads(void) {
    tg_tensor *x, *i, *y[2][4];
    int k, n;
    x = tg_randn(tg, TG_SHAPE(70000)); i = tg_randint(tg, 0, 300, TG_SHAPE(70000));
    for (k = 0; k < 2; k++) {
        CHECK(tg_threads(tg, k ? 3 : 1));
        y[k][0] = tg_searchsorted(tg_sort(x, 0, false, NULL), x); y[k][1] = tg_masked_select(x, tg_gt_scalar(x, 0));
        y[k][2] = tg_scatter_reduce(tg_ones(tg, TG_SHAPE(300)), 0, i, x, TG_SCATTER_PROD, true); y[k][3] = tg_unique(i, NULL, NULL);
    }
    for (n = 0; n < 4; n++) CHECK(tg_equal(y[0][n], y[1][n]));
    CHECK(tg_threads(tg, 1));
}

enum { CALLS = 34 };
static tg_tensor *each(int k, tg_tensor *x, tg_tensor *z, tg_tensor *i, tg_tensor *m) {       /* x [2, 3], z [3] of f64, i [3], m [2, 3] */
    tg_tensor *list[2], *out[TG_MAX_DIMS] = { NULL };
    list[0] = i; list[1] = i;
    switch (k) {
        case 0: return tg_nonzero(x);
        case 1: return tg_nonzero_tuple(x, out, TG_MAX_DIMS) ? out[0] : NULL;
        case 2: return tg_unravel_index(i, TG_SHAPE(2, 3), out) ? out[1] : NULL;
        case 3: return tg_masked_select(x, m);
        case 4: return tg_masked_scatter(x, m, x);
        case 5: return tg_masked_fill_tensor(x, m, tg_number(tg, 2));
        case 6: return tg_index_fill_tensor(x, 1, i, tg_number(tg, 2));
        case 7: return tg_index(z, list, 1);
        case 8: return tg_index(x, list, 2);
        case 9: return tg_index_put(x, list, 2, z, true);
        case 10: return tg_index_put(z, list, 1, z, false);
        case 11: return tg_put(x, i, z, true);
        case 12: return tg_index_reduce(x, 1, i, x, TG_SCATTER_PROD, false);
        case 13: return tg_index_reduce(x, 1, i, x, TG_SCATTER_MEAN, false);
        case 14: return tg_scatter_reduce(z, 0, i, z, TG_SCATTER_AMAX, true);
        case 15: return tg_select_scatter(x, z, 0, 0);
        case 16: return tg_diagonal_scatter(x, x ? tg_narrow(z, 0, 0, 2) : NULL, 0, 0, 1);
        case 17: return tg_unique(x, out, out + 1);
        case 18: return tg_unique_dim(x, 1, out, out + 1);
        case 19: return tg_unique_consecutive_dim(x, 0, out, out + 1);
        case 20: return tg_searchsorted(z, x, .sorter = i);
        case 21: return tg_bucketize(x, z, true, true);
        case 22: return tg_isin(x, z, false);
        case 23: return tg_bincount(i, z, 5);
        case 24: return tg_histc(x, 3, 0, 0);
        case 25: return tg_histogram(x, 3, NULL, x, true, out);
        case 26: return tg_histogram_edges(x, z, NULL, false);
        case 27: return tg_mode(x, 1, false, out);
        case 28: return tg_nanmedian_dim(x, 1, true, out);
        case 29: return tg_quantile(x, z, .dim = TG_IS(1));
        case 30: return tg_gradient(x, out, TG_MAX_DIMS, .edge_order = 1) ? out[1] : NULL;
        case 31: return tg_embedding(i, x, .max_norm = TG_IS(1), .scale_grad_by_freq = true);
        case 32: return tg_embedding_bag(i, x, .offsets = i, .mode = TG_BAG_MAX, .padding_idx = TG_IS(0));
        default: return tg_cumulative_trapezoid(x, z, 1, 1);
    }
}
static void test_hard_times(void) {
    test_heap heap;
    tg_ctx *outer = tg;
    int k;
    memset(&heap, 0, sizeof heap);
    for (k = 0; k < CALLS; k++) {
        CHECK(!each(k, NULL, NULL, NULL, NULL));
        tg_clear(tg);
        for (heap.fail_at = 1; ; heap.fail_at++) {
            const double v[6] = { 0.25, 0.5, 0.75, 1, 0.5, 0 };
            const int64_t places[3] = { 0, 1, 1 };
            tg_ctx *own = test_open_heap(&heap);
            if (own) {
                tg_tensor *x = tg_from(own, TG_SHAPE(2, 3), TG_F64, v), *z = tg_from(own, TG_SHAPE(3), TG_F64, v), *i = tg_from(own, TG_SHAPE(3), TG_I64, places), *y;
                tg = own;
                if (k != 31) tg_require_grad(x, true);
                y = each(k, x, z, i, tg_gt_scalar(x, 0.3));
                if (y && y->requires_grad) (void)tg_backward(tg_sum(y));
                CHECK_MSG(y ? !tg_failed(own) || tg_error(own) == TG_ERROR_MEMORY : tg_error(own) == TG_ERROR_MEMORY, "call %d, allocation %ld: %s", k, heap.fail_at, tg_error_text(own));
                tg_close(own);
                tg = outer;
            }
            if (!test_heap_ended(&heap)) break;
        }
    }
}

/* Every allocation fails once, those of headers too. */
static void test_no_headers(void) {
    test_heap heap;
    tg_ctx *outer = tg;
    memset(&heap, 0, sizeof heap);
    for (heap.fail_at = 1; ; heap.fail_at++) {
        tg_config c = test_config(&heap);
        tg_tensor *x, *boxes, *y = NULL;
        c.no_cache = true;
        if ((tg = tg_open(&c)) != NULL) {
            x = tg_ones(tg, TG_SHAPE(4)); boxes = tg_ones(tg, TG_SHAPE(4, 4));
            y = tg_histogram(x, 3, NULL, NULL, true, NULL);
            if (y) y = tg_histc(x, 3, 0, 0);
            if (y) y = tg_nms(boxes, x, 0.5);
            if (y) y = tg_repeat_interleave(x, tg_full(tg, TG_SHAPE(4), 2, TG_I64));
            CHECK(y || tg_error(tg) == TG_ERROR_MEMORY);
            tg_close(tg);
        }
        tg = outer;
        if (!test_heap_ended(&heap)) break;
    }
}
/* Numbers that no arithmetic holds, and what stays as it was when a call fails. */
static void test_extremes(void) {
    const tg_mark m = tg_begin(tg);
    const float values[3] = { 2, 3, 0.5f };
    int k;
    tg_tensor *v = tg_ones(tg, TG_SHAPE(3)), *i = tg_full(tg, TG_SHAPE(3), 1, TG_I64), *low = tg_full(tg, TG_SHAPE(3), 2, TG_F32), *list[1];
    list[0] = i;
    REFUSED(TG_ERROR_VALUE, tg_bincount(i, NULL, INT64_MAX), "minlength");
    REFUSED(TG_ERROR_VALUE, tg_bincount(tg_mul(i, tg_integer(tg, INT64_MAX)), NULL, 0), "bincount");
    REFUSED(TG_ERROR_VALUE, tg_histc(v, INT64_MAX, 0, 1), "bins");
    REFUSED(TG_ERROR_VALUE, tg_histogram(v, INT64_MAX, NULL, NULL, false, NULL), "bins");
    CHECK(!tg_quantile(v, tg_number(tg, 0.5), .dim = TG_IS(1e300))); CHECK(tg_failed(tg)); tg_clear(tg);
    CHECK(!tg_quantile(v, tg_number(tg, 0.5), .dim = TG_IS(tg__nan()))); CHECK(tg_failed(tg)); tg_clear(tg);
    REFUSED(TG_ERROR_VALUE, tg_embedding(i, tg_ones(tg, TG_SHAPE(3, 2)), .padding_idx = TG_IS(tg__nan())), "padding_idx");
    CHECK(tg_item(tg_sum(tg_embedding(i, tg_ones(tg, TG_SHAPE(3, 2)), .max_norm = TG_IS(0)))) == 0);
    CHECK(!tg_index_put(v, list, 1000, v, false)); CHECK(tg_failed(tg)); tg_clear(tg);
    CHECK(!tg_clamp_tensor_(v, low, tg_ones(tg, TG_SHAPE(2)))); CHECK(tg_failed(tg)); tg_clear(tg);
    CHECK(!tg_clamp_tensor_(v, low, tg_ones(tg, TG_SHAPE(2, 3)))); CHECK(tg_failed(tg)); tg_clear(tg);
    CHECK(tg_item(tg_sum(v)) == 3);                                          /* nor clamped by half */
    CHECK(tg_clamp_tensor_(v, low, tg_mul_scalar(low, 4)) == v && tg_item(tg_sum(v)) == 6);
    for (k = 0; k < 7; k++) {                                                /* in place, what is overwritten may still be wanted */
        tg_tensor *leaf = tg_require_grad(tg_from(tg, TG_SHAPE(3), TG_F32, values), true), *again = tg_require_grad(tg_from(tg, TG_SHAPE(3), TG_F32, values), true), *x = tg_mul_scalar(leaf, 1);
        const tg_scatter_kind kind = (tg_scatter_kind)(k % 5);
        tg_tensor *y = k == 5 ? tg_cumprod_(x, 0) : k == 6 ? tg_clamp_tensor_(x, v, tg_mul_scalar(v, 1.25)) : tg_scatter_reduce_(x, 0, i, v, kind, true);
        tg_tensor *z = k == 5 ? tg_cumprod(again, 0) : k == 6 ? tg_minimum(tg_maximum(again, v), tg_mul_scalar(v, 1.25)) : tg_scatter_reduce(again, 0, i, v, kind, true);
        CHECK(y == x && tg_backward(tg_sum(tg_square(y))) && tg_backward(tg_sum(tg_square(z))));
        CHECK(tg_equal(tg_grad_of(leaf), tg_grad_of(again)));
    }
    tg_end(tg, m);
}
int main(void) {
    tg_config c = test_config(NULL);
    tg = tg_open(&c);
    if (!tg) return 1;
    test_index();
    test_scatter();
    test_search();
    test_embedding();
    test_extremes();
    test_threads();
    test_hard_times();
    test_no_headers();
    tg_close(tg);
    return test_end("search");
}
