/* What torch does at the edges of its functions, where a formula alone would not tell: refusals, ties, NaN, types; found by running the library on cases made beside the
   golden ones. Every expectation here was read from torch 2.15.   run.sh flags: -lm */
#include "test.h"
#include <math.h>

static tg_ctx *tg;
static const float nan_ = (float)NAN, inf_ = (float)INFINITY;

static tg_tensor *row(int n, const float *v) { const int64_t size = n; return tg_from(tg, 1, &size, TG_F32, v); }
static tg_tensor *ones(int n, int64_t a, int64_t b, int64_t c) { const int64_t s[3] = { a, b, c }; return tg_ones(tg, n, s); }
static bool same(tg_tensor *t, int n, const double *want) {
    int i;
    if (!t || t->numel != n) return false;
    for (i = 0; i < n; i++) {
        const double got = tg_item(tg_select(tg_flatten(t, 0, -1), 0, i));
        if (tg__is_nan(want[i]) ? !tg__is_nan(got) : got != want[i]) return false;
    }
    return true;
}
/* The gradient of sum(f * 1) by x */
static tg_tensor *slope(tg_tensor *y, tg_tensor *x) {
    tg_tensor *g = NULL;
    y = tg_sum(y);
    return tg_grad(&y, 1, &x, 1, &g, .allow_unused = true) ? g : NULL;
}
static void refuses(bool refused, tg_error_code code, int line) {
    test_check(refused && tg_error(tg) == code, __FILE__, line, "refused: %d, with code %d (%s), wanted %d", (int)refused, (int)tg_error(tg), tg_error_text(tg), (int)code);
    tg_clear(tg);
}
#define REFUSED(code, call) refuses(!(call), code, __LINE__)

static void test_refusals(void) {
    static const float half[] = { 0.5f, 0.5f }, two[] = { 0.5f, 2 };
    tg_tensor *x = ones(3, 2, 4, 3), *flat = ones(2, 1, 3, 0), *stat = ones(1, 4, 0, 0), *a = row(2, half), *b = row(2, two), *wide = ones(2, 3, 2, 0), *along[2];
    int64_t none[2] = { 0, 2 }, late[2] = { 0, 5 }, pair = 2;
    tg_tensor *index = tg_full(tg, 1, &pair, 0, TG_I64), *offsets = tg_from(tg, 1, &pair, TG_I64, late);
    REFUSED(TG_ERROR_VALUE, tg_hardtanh(a, 1, -1));
    REFUSED(TG_ERROR_VALUE, tg_hardtanh_(a, 1, -1));
    REFUSED(TG_ERROR_VALUE, tg_softshrink(a, -0.5));
    REFUSED(TG_ERROR_SHAPE, tg_group_norm(tg_zeros(tg, TG_SHAPE(1, 2, 0)), 1, NULL, NULL, 1e-5));
    REFUSED(TG_ERROR_VALUE, tg_group_norm(flat, 3, NULL, NULL, 1e-5));
    REFUSED(TG_ERROR_NULL, tg_batch_norm(x, stat, NULL, NULL, NULL, true, 0.1, 1e-5));
    REFUSED(TG_ERROR_NULL, tg_instance_norm(x, NULL, stat, NULL, NULL, true, 0.1, 1e-5));
    REFUSED(TG_ERROR_VALUE, tg_binary_cross_entropy(a, b));
    REFUSED(TG_ERROR_SHAPE, tg_soft_margin_loss(a, wide));
    REFUSED(TG_ERROR_VALUE, tg_embedding_bag(index, ones(2, 4, 2, 0), .offsets = offsets));
    REFUSED(TG_ERROR_VALUE, tg_unravel_index(index, 2, none, along));
    REFUSED(TG_ERROR_SHAPE, tg_avg_pool3d(tg_ones(tg, TG_SHAPE(1, 2, 3, 3)), .kernel = { 3, 2, 2 }, .padding = { 1, 1, 1 }));
    CHECK(tg_soft_margin_loss(wide, a) != NULL);
    CHECK(tg_gaussian_nll_loss(wide, wide, ones(2, 1, 2, 0)) != NULL);                /* one dimension of 1, whichever it is */
    REFUSED(TG_ERROR_SHAPE, tg_gaussian_nll_loss(wide, wide, ones(2, 1, 1, 0)));
    CHECK_OK(tg);
}
/* Of an adaptive mean no channels are no mistake, of an adaptive maximum and of windows they are. */
static void test_empty(void) {
    const int64_t pair2 = 2;
    tg_tensor *x = tg_zeros(tg, TG_SHAPE(2, 0, 5, 5));
    CHECK(tg_adaptive_avg_pool2d(x, TG_SHAPE(2, 2)) != NULL); CHECK_OK(tg);
    REFUSED(TG_ERROR_SHAPE, tg_adaptive_max_pool2d(x, 1, &pair2, NULL));
    REFUSED(TG_ERROR_SHAPE, tg_amax_dims(x, TG_DIMS(1, 2), false)); REFUSED(TG_ERROR_SHAPE, tg_argmin_dim(tg_zeros(tg, TG_SHAPE(0, 0)), 1, false));
    CHECK(tg_amax_dims(x, TG_DIMS(0), false) != NULL);
    REFUSED(TG_ERROR_SHAPE, tg_avg_pool2d(x, .kernel = { 2 }));
    REFUSED(TG_ERROR_SHAPE, tg_adaptive_avg_pool3d(tg_zeros(tg, TG_SHAPE(2, 0, 4, 4, 4)), TG_SHAPE(2, 2, 2)));
    REFUSED(TG_ERROR_SHAPE, tg_ctc_loss(tg_zeros(tg, TG_SHAPE(5, 0, 3)), tg_full(tg, TG_SHAPE(0, 2), 0, TG_I64), tg_full(tg, TG_SHAPE(0), 0, TG_I64), tg_full(tg, TG_SHAPE(0), 0, TG_I64)));
}
static void test_slopes(void) {
    const float v[] = { -2, 0.5f, 2, nan_, inf_ }, w[] = { -2, 1, 0.5f, 3, inf_ };
    const double shrunk[] = { 1, 0, 1, 0, 1 }, shared[] = { 0.5, 0, 1, 0, 0.5 }, least[] = { 0.5, 1, 0, 0, 0.5 }, sign[] = { 1, 1, 1, NAN, NAN };
    tg_tensor *x = tg_require_grad(row(5, v), true), *b = row(5, w), *zero = tg_require_grad(ones(1, 2, 0, 0), true);
    CHECK(same(slope(tg_hardshrink(x, 0.5), x), 5, shrunk));
    CHECK(same(slope(tg_fmax(x, b), x), 5, shared));
    CHECK(same(slope(tg_fmin(x, b), x), 5, least));
    CHECK(same(slope(tg_copysign(x, x), x), 5, sign));
    CHECK(same(slope(tg_margin_ranking_loss(zero, ones(1, 2, 0, 0), ones(1, 2, 0, 0), 0), zero), 2, (const double[]){ 0, 0 }));     /* at the bend: 0 */
    CHECK_OK(tg);
}
/* A NaN between two bounds: no bound has a gradient, x has one unless it lies beyond a bound. The type of a result in place is x's. */
static void test_clamp(void) {
    const float v[] = { -2, 0, 2, nan_, 0, 2, -2 }, l[] = { nan_, -1, nan_, -1, -1, 1, -1 }, h[] = { 1, nan_, 1, 1, 1, nan_, nan_ };
    tg_tensor *x = tg_require_grad(row(7, v), true), *low = tg_require_grad(row(7, l), true), *high = tg_require_grad(row(7, h), true), *y = tg_clamp_tensor(x, low, high);
    const double want[] = { NAN, NAN, NAN, NAN, 0, NAN, NAN };
    CHECK(same(y, 7, want));
    CHECK(same(slope(y, x), 7, (const double[]){ 1, 1, 0, 1, 1, 1, 0 }));
    CHECK(same(slope(tg_clamp_tensor(x, low, high), low), 7, (const double[]){ 0, 0, 0, 0, 0, 0, 0 }));
    CHECK(same(slope(tg_clamp_tensor(x, low, high), high), 7, (const double[]){ 0, 0, 0, 0, 0, 0, 0 }));
    y = tg_to(tg_full(tg, TG_SHAPE(2), 3, TG_F32), TG_F16);
    CHECK(tg_clamp_tensor_(y, tg_full(tg, TG_SCALAR, 0, TG_F64), tg_full(tg, TG_SHAPE(2), 1.5, TG_F32)) == y && y->dtype == TG_F16 && same(y, 2, (const double[]){ 1.5, 1.5 }));
    y = tg_clamp_tensor(tg_to(row(3, (const float[]){ 0, 1, 2 }), TG_U8), tg_integer(tg, -1), tg_number(tg, 0.25));       /* -1 is not 255 */
    CHECK(y && y->dtype == TG_F32 && same(y, 3, (const double[]){ 0, 0.25, 0.25 }));
    REFUSED(TG_ERROR_DTYPE, tg_clamp_tensor_(tg_full(tg, TG_SHAPE(2), 3, TG_I32), tg_full(tg, TG_SHAPE(2), 0, TG_F32), tg_full(tg, TG_SHAPE(2), 1.5, TG_F32)));
    CHECK_OK(tg);
}
/* The sum over x's classes is divided by their number, however the target is broadcast: [1] beside [2, 3] counts three times. */
static void test_broadcast_loss(void) {
    tg_tensor *x = ones(1, 1, 0, 0), *many = ones(2, 2, 3, 0);
    const double one = tg_item(tg_multilabel_soft_margin_loss(x, x));
    CHECK_NEAR(tg_item(tg_multilabel_soft_margin_loss(tg_reshape(x, TG_SHAPE(1, 1)), many)), 3 * one, 1e-6);
    CHECK_NEAR(tg_item(tg_multilabel_soft_margin_loss(many, tg_reshape(x, TG_SHAPE(1, 1)))), one, 1e-6);
    REFUSED(TG_ERROR_VALUE, tg_multilabel_soft_margin_loss(tg_ones(tg, TG_SCALAR), many));      /* no classes */
    CHECK_OK(tg);
}
static void test_repeated(void) {
    static const int64_t twice[] = { 1, 1 }, dims[] = { 2, 2 }, late[] = { 0, 1 };
    static const float big[] = { 1, 2, 3, 4 };
    const int64_t two = 2;
    tg_tensor *index = tg_from(tg, 1, &two, TG_I64, twice), *x = ones(2, 3, 2, 0), *source = tg_require_grad(tg_from(tg, 2, dims, TG_F32, big), true), *value = tg_require_grad(tg_ones(tg, TG_SCALAR), true);
    CHECK(same(slope(tg_index_copy(x, 0, index, source), source), 4, (const double[]){ 1, 1, 1, 1 }));      /* each row has the gradient of its place */
    CHECK(same(slope(tg_index_fill_tensor(x, 0, index, value), value), 1, (const double[]){ 2 }));           /* each place counts once */
    index = tg_full(tg, TG_SHAPE(2), 0, TG_I64);
    CHECK(same(tg_index_fill(tg_full(tg, TG_SCALAR, 3, TG_F32), 0, index, 7), 1, (const double[]){ 7 }));
    CHECK(same(tg_index_copy(tg_full(tg, TG_SCALAR, 3, TG_F32), 0, index, tg_from(tg, 1, &two, TG_F32, big)), 1, (const double[]){ 2 }));
    CHECK(same(tg_index_fill(tg_full(tg, TG_SCALAR, 3, TG_F32), 0, tg_full(tg, TG_SHAPE(0), 0, TG_I64), 7), 1, (const double[]){ 3 }));
    index = tg_from(tg, 1, &two, TG_I64, late);                                         /* each index of a scalar is looked at */
    REFUSED(TG_ERROR_VALUE, tg_index_fill(tg_full(tg, TG_SCALAR, 3, TG_F32), 0, index, 7));
    REFUSED(TG_ERROR_VALUE, tg_index_fill_tensor(tg_full(tg, TG_SCALAR, 3, TG_F32), 0, index, value));
    CHECK_OK(tg);
}
static void test_types(void) {
    const float v[] = { nan_, inf_, -inf_, 3e9f, -3e9f, 70000, -1.5f };
    static const double to32[] = { -2147483648.0, -2147483648.0, -2147483648.0, -2147483648.0, -2147483648.0, 70000, -1 }, to16[] = { 0, 0, 0, 0, 0, 4464, -1 }, to64[] = { -9223372036854775808.0, -9223372036854775808.0, -9223372036854775808.0, 3e9, -3e9, 70000, -1 };
    static const float gated[] = { -2.1796875f, 0.568359375f };
    const int64_t two = 2;
    tg_tensor *x = row(7, v), *b = tg_full(tg, TG_SHAPE(2), 1, TG_BOOL), *y;
    CHECK(same(tg_to(x, TG_I32), 7, to32)); CHECK(same(tg_to(tg_to(x, TG_F64), TG_I32), 7, to32));
    CHECK(same(tg_to(x, TG_I16), 7, to16)); CHECK(same(tg_to(x, TG_I64), 7, to64));
    CHECK(tg_item(tg_to(tg_full(tg, TG_SCALAR, 3000000001.0, TG_F64), TG_U8)) == 1 && tg_item(tg_to(tg_full(tg, TG_SCALAR, 3000000001.0, TG_F64), TG_I8)) == 0);      /* u8 by way of 64 bits */
    y = tg_addr(tg_full(tg, TG_SHAPE(2, 2), 1, TG_BOOL), b, b, 1, 1);
    CHECK(y && y->dtype == TG_BOOL);
    y = tg_alpha_dropout(b, 1, true); CHECK(y && y->dtype == TG_BOOL && same(y, 2, (const double[]){ 0, 0 }) && same(tg_dropout(b, 1, true), 2, (const double[]){ 0, 0 }));
    CHECK(same(tg_feature_alpha_dropout(tg_full(tg, TG_SHAPE(1, 2), 1, TG_I64), 1, true), 2, (const double[]){ 0, 0 }));
    y = tg_to(tg_from(tg, 1, &two, TG_F32, gated), TG_F16);                                                    /* and so are these */
    CHECK(same(tg_glu(y, 0), 1, (const double[]){ -1.3916015625 }));
    CHECK(same(tg_celu(tg_to(tg_number(tg, 0.806640625), TG_F16), 0.8), 1, (const double[]){ 0.806640625 }));
    CHECK(same(tg_selu(tg_to(tg_number(tg, -1.193359375), TG_F16)), 1, (const double[]){ -1.224609375 }));
    REFUSED(TG_ERROR_DTYPE, tg_celu(tg_full(tg, TG_SHAPE(2), 1, TG_I64), 2));
    y = tg_round_decimals(tg_full(tg, TG_SHAPE(2), 0.053466796875, TG_BF16), 3);                               /* 53.47 is not rounded to 53.5 first */
    CHECK(y && y->dtype == TG_BF16 && same(y, 2, (const double[]){ 0.052978515625, 0.052978515625 }));
    y = tg_logaddexp2(tg_to(tg_number(tg, 0.60546875), TG_BF16), tg_to(tg_number(tg, -1.171875), TG_BF16));   /* computed in f32, rounded once */
    CHECK(y && y->dtype == TG_BF16 && tg_item(y) == tg_item(tg_to(tg_logaddexp2(tg_full(tg, TG_SCALAR, 0.60546875, TG_F32), tg_full(tg, TG_SCALAR, -1.171875, TG_F32)), TG_BF16)));
    y = tg_logaddexp2(tg_to(tg_number(tg, 0.60546875), TG_BF16), tg_full(tg, TG_SCALAR, 0.5, TG_F64));
    CHECK_NEAR(tg_item(y), log2(exp2(0.60546875) + exp2(0.5)), 1e-14);
    CHECK_NEAR(tg_item(tg_select(tg_logspace(tg, 4.3, 0, 2, 5, TG_BF16), 0, 0)), 1032, 0);                    /* the ends are rounded first, */
    CHECK_NEAR(tg_item(tg_logspace(tg, 4.3, 4, 1, 5, TG_BF16)), 1012, 0);                                    /* if there are two */
    CHECK_NEAR(tg_item(tg_select(tg_linspace(tg, 4.3, -3, 50, TG_F16), 0, 26)), 0.427001953125, 0);
    CHECK_NEAR(tg_item(tg_select(tg_linspace(tg, 4.3, -3, 50, TG_BF16), 0, 27)), 0.283203125, 0);
    CHECK_NEAR(tg_item(tg_select(tg_rms_norm(tg_full(tg, TG_SHAPE(2), 2, TG_F64), TG_SHAPE(2), NULL, -0.5), 0, 0)), 1.06904496764969754, 1e-12);
    CHECK_OK(tg);
}
/* Halves are added up in f32 and rounded once; one after the other in f16 these would give -0.2073. */
static void test_halves(void) {
    const float v[] = { 0.548828125f, -1.8076171875f, 0.305419921875f }, first = 0.74658203125f;
    const double sum = -0.206787109375, mean = sum / 4;
    tg_tensor *x = tg_to(row(1, &first), TG_F16), *src = tg_to(row(3, v), TG_F16), *at = tg_full(tg, TG_SHAPE(3), 0, TG_I64);
    CHECK(same(tg_scatter_add(x, 0, at, src), 1, &sum) && same(tg_index_add(x, 0, at, src), 1, &sum) && same(tg_put(x, at, src, true), 1, &sum));
    CHECK(same(tg_scatter_reduce(x, 0, at, src, TG_SCATTER_SUM, true), 1, &sum) && same(tg_scatter_reduce(x, 0, at, src, TG_SCATTER_MEAN, true), 1, &mean));
    CHECK(tg_scatter_add(x, 0, at, src)->dtype == TG_F16 && same(tg_scatter_add_(tg_clone(x), 0, at, src), 1, &sum) && same(tg_scatter_add(x, 0, at, tg_number(tg, 1)), 1, (const double[]){ 3.74609375 }));
    x = tg_require_grad(x, true); src = tg_require_grad(src, true);
    CHECK(same(slope(tg_scatter_add(x, 0, at, src), x), 1, (const double[]){ 1 }) && same(slope(tg_index_add(x, 0, at, src), src), 3, (const double[]){ 1, 1, 1 }));
    REFUSED(TG_ERROR_DTYPE, tg_scatter_add(x, 0, at, row(3, v)));
    CHECK_OK(tg);
}
/* The gradient of a median of all is shared among those that equal it, NaNs among themselves. */
static void test_medians(void) {
    const float ties[] = { 5, 2, 1, 2 }, holes[] = { 1, nan_, 3, nan_ }, both[] = { 2, nan_, 7, 2, 1, 9 }, endless[] = { inf_, inf_, 1 };
    tg_tensor *x = tg_require_grad(row(4, ties), true), *nan = tg_require_grad(row(4, holes), true), *y = tg_require_grad(row(6, both), true), *inf = tg_require_grad(row(3, endless), true);
    CHECK(same(tg_median(x), 1, (const double[]){ 2 }) && same(slope(tg_median(x), x), 4, (const double[]){ 0, 0.5, 0, 0.5 }));
    CHECK(same(tg_median(nan), 1, (const double[]){ NAN }) && same(slope(tg_median(nan), nan), 4, (const double[]){ 0, 0.5, 0, 0.5 }));
    CHECK(same(tg_nanmedian(y), 1, (const double[]){ 2 }) && same(slope(tg_nanmedian(y), y), 6, (const double[]){ 0.5, 0, 0, 0.5, 0, 0 }));
    CHECK(same(tg_median(inf), 1, (const double[]){ INFINITY }) && same(slope(tg_median(inf), inf), 3, (const double[]){ 0.5, 0.5, 0 }));
    CHECK(same(tg_nanmedian(tg_zeros(tg, TG_SHAPE(0, 3))), 1, (const double[]){ NAN }));
    CHECK_OK(tg);
}
/* What cancels: near points far from zero, and weights of f32 beside observations of f64. */
static void test_cancellation(void) {
    const float a[] = { 9, 8.5f }, b[] = { 9.001f, 8.5f }, weights[] = { 0.3666413426399231f, 0.05830073356628418f, 0.7006447315216064f };
    const double seen[] = { -4.826984902407649, -7.582430495695129, -0.6046891126565539, -1.5411692216498662, -1.9719097652168658, -4.146041530864057 };
    tg_tensor *y = tg_cdist(tg_reshape(row(2, a), TG_SHAPE(1, 2)), tg_reshape(row(2, b), TG_SHAPE(1, 2)), 2, TG_CDIST_MATMUL);
    CHECK(y && y->dtype == TG_F32);
    CHECK_NEAR(tg_item(y), (double)b[0] - 9, 1e-9);
    y = tg_cov(tg_from(tg, TG_SHAPE(2, 3), TG_F64, seen), .aweights = row(3, weights), .correction = TG_IS(2));
    CHECK_NEAR(tg_item(tg_select(tg_flatten(y, 0, -1), 0, 0)), 709.2825322165685, 1e-5);
    CHECK_OK(tg);
}
int main(void) {
    tg_config c = test_config(NULL);
    tg = tg_open(&c);
    if (!CHECK(tg != NULL)) return test_end("edges");
    test_refusals();
    test_empty();
    test_slopes();
    test_clamp();
    test_broadcast_loss();
    test_repeated();
    test_types();
    test_halves();
    test_medians();
    test_cancellation();
    tg_close(tg);
    return test_end("edges");
}
