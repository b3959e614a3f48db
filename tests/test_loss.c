/* The losses: what the golden cases do not reach. Kinks and ends of the domain, options together, refusals, NULL operands, memory that runs out at any allocation.   run.sh flags: -Wl,--no-as-needed -lm */
#include "test.h"
#include <math.h>

static tg_ctx *tg;
static tg_tensor *line(int64_t n, const double *v) { return tg_from(tg, TG_SHAPE(n), TG_F64, v); }
#define F64(...) line((int64_t)(sizeof (double[]){ __VA_ARGS__ } / sizeof(double)), (const double[]){ __VA_ARGS__ })
#define I64(...) tg_from(tg, TG_SHAPE((int64_t)(sizeof (int64_t[]){ __VA_ARGS__ } / sizeof(int64_t))), TG_I64, (const int64_t[]){ __VA_ARGS__ })
static tg_tensor *leaf(tg_tensor *t) { return tg_require_grad(t, true); }
static double at(tg_tensor *t, int64_t i) { return t ? tg_item(tg_select(tg_flatten(t, 0, -1), 0, i)) : NAN; }
static tg_tensor *slope(tg_tensor *loss, tg_tensor *x) {
    tg_tensor *g = NULL;
    loss = tg_sum(loss);
    return tg_grad(&loss, 1, &x, 1, &g) ? g : NULL;
}
#define NEAR(a, b) CHECK_NEAR(a, b, 1e-12)
#define REFUSED(code, call, text) do { CHECK(!(call)); CHECK_MSG(strstr(tg_error_text(tg), text) != NULL, "%s", tg_error_text(tg)); CHECK_ERROR(tg, code); } while (0)

static void test_bent(void) {
    tg_tensor *x = leaf(F64(-3, -1, -0.5, 0, 0.5, 1, INFINITY)), *t = tg_zeros(tg, TG_SHAPE(7)), *y, *g;
    static const double h[7] = { 2.5, 0.5, 0.125, 0, 0.125, 0.5, INFINITY }, dh[7] = { -1, -1, -0.5, 0, 0.5, 1, 1 };
    int i;
    y = tg_huber_loss(x, t, .reduction = TG_LOSS_NONE); g = slope(y, x);
    for (i = 0; i < 7; i++) { CHECK(at(y, i) == h[i]); CHECK(at(g, i) == dh[i]); }
    y = tg_smooth_l1_loss(x, t, .reduction = TG_LOSS_NONE, .beta = TG_IS(0)); g = slope(y, x);
    CHECK(at(y, 0) == 3 && at(g, 0) == -1 && at(g, 3) == 0 && at(g, 6) == 1);
    y = tg_smooth_l1_loss(x, t, .reduction = TG_LOSS_NONE, .beta = TG_IS(2));
    NEAR(at(y, 0), 2); NEAR(at(y, 1), 0.25);
    CHECK_OK(tg);
    REFUSED(TG_ERROR_VALUE, tg_huber_loss(x, t, .delta = TG_IS(-1)), "huber_loss: delta must be above 0");
    REFUSED(TG_ERROR_VALUE, tg_smooth_l1_loss(x, t, .beta = TG_IS(-1)), "smooth_l1_loss: beta must not be negative");
    REFUSED(TG_ERROR_VALUE, tg_mse_loss(x, t, .reduction = TG_LOSS_BATCHMEAN), "mse_loss: the reduction must be");
    REFUSED(TG_ERROR_SHAPE, tg_mse_loss(x, t, .weight = F64(1, 2)), "mse_loss: weight is f64[2] and must have the shape of x, f64[7]");
    REFUSED(TG_ERROR_DTYPE, tg_l1_loss(I64(1, 2), I64(1, 2)), "l1_loss: expected a floating type");
    /* weights: the mean of the first two is over their sum, that of huber over the number */
    x = F64(1, 2); t = F64(0, 0);
    NEAR(tg_item(tg_mse_loss(x, t, .weight = F64(1, 3))), 13 / 4.0); NEAR(tg_item(tg_l1_loss(x, t, .weight = F64(1, 3))), 7 / 4.0);
    NEAR(tg_item(tg_huber_loss(x, t, .weight = F64(1, 3))), 5 / 2.0);
    /* types: promoted, halves not overflown on the way */
    CHECK(tg_mse_loss(tg_to(x, TG_F32), I64(0, 0))->dtype == TG_F32); CHECK(tg_mse_loss(tg_to(x, TG_F32), t)->dtype == TG_F64);
    y = tg_mse_loss(tg_to(F64(300, 0, 0, 0), TG_F16), tg_to(F64(0, 0, 0, 0), TG_F16));
    CHECK(y->dtype == TG_F16 && tg_item(y) == 22496);
    CHECK_OK(tg);
}
static void test_binary(void) {
    tg_tensor *x = leaf(F64(0, 0, 1, 1, 1e-13, 1 - 1e-13, 0.25)), *t = F64(1, 0, 1, 0, 1, 0, 0.5), *y, *g;
    y = tg_binary_cross_entropy(x, t, .reduction = TG_LOSS_NONE); g = slope(y, x);
    CHECK(at(y, 0) == 100 && at(y, 1) == 0 && at(y, 2) == 0 && at(y, 3) == 100);
    CHECK(at(g, 0) == -1e12 && at(g, 3) == 1e12);
    NEAR(at(y, 4), -log(1e-13)); CHECK_NEAR(at(y, 5), -log(1e-13), 1e-3); NEAR(at(y, 6), -(0.5 * log(0.25) + 0.5 * log(0.75)));
    NEAR(at(g, 6), (0.25 - 0.5) / (0.25 * 0.75));
    CHECK_OK(tg);
    REFUSED(TG_ERROR_VALUE, tg_binary_cross_entropy(F64(0.5, 1.5), F64(0, 1)), "binary_cross_entropy: all elements of x must lie in [0, 1]");
    REFUSED(TG_ERROR_VALUE, tg_binary_cross_entropy(F64(0.5, NAN), F64(0, 1)), "[0, 1]");
    REFUSED(TG_ERROR_SHAPE, tg_binary_cross_entropy(F64(0.5, 0.5), F64(1)), "target is f64[1] and must have the shape of x, f64[2]");
    REFUSED(TG_ERROR_SHAPE, tg_binary_cross_entropy_with_logits(F64(0.5, 0.5), F64(1)), "target is f64[1]");
    y = tg_binary_cross_entropy_with_logits(F64(-800, 800, 0), F64(1, 0, 1), .reduction = TG_LOSS_NONE, .pos_weight = F64(2, 2, 3));
    CHECK(at(y, 0) == 1600 && at(y, 1) == 800); NEAR(at(y, 2), 3 * log(2));
    CHECK(at(tg_soft_margin_loss(F64(-800), F64(1)), 0) == 800);
    CHECK_OK(tg);
}
static void test_classes(void) {
    tg_tensor *x = leaf(tg_reshape(F64(1, 2, 3, 4, 5, 7), TG_SHAPE(2, 3))), *t = I64(2, 1), *w = F64(1, 2, 4), *y, *e, *lp = tg_log_softmax(x, 1);
    int64_t k;
    NEAR(tg_item(tg_cross_entropy(x, t)), tg_item(tg_nll_loss(lp, t)));
    NEAR(tg_item(tg_cross_entropy(x, t, .weight = w)), tg_item(tg_nll_loss(lp, t, .weight = w)));
    NEAR(tg_item(tg_cross_entropy(x, t, .ignore_index = TG_IS(2))), -tg_item(tg_slice(lp, "1, 1")));
    /* a class target is the probability 1 of it, smoothed or weighted */
    e = tg_to(tg_one_hot(t, 3), TG_F64);
    y = tg_cross_entropy(x, e, .reduction = TG_LOSS_SUM, .label_smoothing = 0.2, .weight = w);
    NEAR(tg_item(tg_cross_entropy(x, t, .reduction = TG_LOSS_SUM, .label_smoothing = 0.2, .weight = w)), tg_item(y));
    /* more dimensions are more rows */
    e = tg_reshape(tg_randn(tg, TG_SHAPE(2 * 3 * 2 * 2)), TG_SHAPE(2, 3, 2, 2)); t = tg_reshape(I64(0, 1, 2, 0, 2, 1, 1, -100), TG_SHAPE(2, 2, 2));
    y = tg_cross_entropy(e, t, .reduction = TG_LOSS_NONE);
    CHECK(y && y->ndim == 3 && at(y, 7) == 0);
    CHECK(tg_allclose(y, tg_nll_loss(tg_log_softmax(e, 1), t, .reduction = TG_LOSS_NONE), 1e-5, 1e-6));
    CHECK_NEAR(tg_item(tg_cross_entropy(e, t)), tg_item(tg_sum(y)) / 7, 1e-6);
    t = I64(-100, -100);
    for (k = 0; k < 2; k++) CHECK(isnan(tg_item(k ? tg_cross_entropy(x, t, .label_smoothing = 0.1) : tg_nll_loss(x, t))));
    CHECK(tg_item(tg_cross_entropy(x, t, .reduction = TG_LOSS_SUM)) == 0);
    /* a row that does not count sends back nothing, also where it holds infinities */
    y = slope(tg_nll_loss(tg_mul(x, tg_reshape(F64(1, 1, 1, INFINITY, 1, 1), TG_SHAPE(2, 3))), I64(0, -100)), x);
    CHECK(at(y, 0) == -1 && at(y, 4) == 0);
    CHECK_OK(tg);
    REFUSED(TG_ERROR_VALUE, tg_cross_entropy(x, I64(-100, 1), .ignore_index = TG_IS(1)), "class 3 (element 0 of the target) is out of range");
    REFUSED(TG_ERROR_VALUE, tg_cross_entropy(x, I64(3, 1), .weight = w), "class 3");
    REFUSED(TG_ERROR_VALUE, tg_nll_loss(x, I64(3, 1)), "nll_loss: index 3");
    REFUSED(TG_ERROR_SHAPE, tg_nll_loss(x, I64(1)), "nll_loss: expected x [N, C, ...] and target [N, ...], or [C] and [], got f64[2, 3]");
    REFUSED(TG_ERROR_SHAPE, tg_nll_loss(x, I64(1, 1), .weight = F64(1, 2)), "nll_loss: weight is f64[2]; expected one for each of the 3 classes");
    REFUSED(TG_ERROR_DTYPE, tg_nll_loss(x, F64(1, 1)), "nll_loss: indices are i64 or i32");
    REFUSED(TG_ERROR_VALUE, tg_cross_entropy(x, I64(1, 1), .label_smoothing = 1.5), "label_smoothing must lie in [0, 1]");
    REFUSED(TG_ERROR_VALUE, tg_cross_entropy(x, x, .ignore_index = TG_IS(1)), "ignore_index is for targets that are classes");
    REFUSED(TG_ERROR_DTYPE, tg_cross_entropy(x, tg_to(x, TG_I64)), "holds probabilities");
    /* margins */
    CHECK(tg_item(tg_multi_margin_loss(F64(1, 2, 0), tg_integer(tg, 0))) == 2 / 3.0);
    NEAR(tg_item(tg_multilabel_margin_loss(F64(0.1, 0.2, 0.4, 0.8), I64(3, 0, -1, 1))), (1 - (0.8 - 0.2) + (1 - (0.8 - 0.4)) + (1 - (0.1 - 0.2)) + (1 - (0.1 - 0.4))) / 4);
    REFUSED(TG_ERROR_VALUE, tg_multilabel_margin_loss(F64(1, 2), I64(-1, 2)), "index 2");
    REFUSED(TG_ERROR_VALUE, tg_multi_margin_loss(F64(1, 2), tg_integer(tg, 0), .p = 3), "p must be 1 or 2");
}
static void test_pairs(void) {
    tg_tensor *x = leaf(tg_reshape(F64(0, 0, 3, 4, 0, 0), TG_SHAPE(3, 2))), *y = tg_pdist(x, 2), *g = slope(y, x);
    CHECK(at(y, 0) == 5 && at(y, 1) == 0 && at(y, 2) == 5);
    NEAR(at(g, 0), -0.6); NEAR(at(g, 2), 1.2);                                 /* equal rows: 0 from each other */
    y = tg_pdist(x, 0); CHECK(at(y, 0) == 2 && at(y, 1) == 0);
    y = tg_pdist(x, 1); CHECK(at(y, 0) == 7);
    y = tg_pdist(x, INFINITY); CHECK(at(y, 0) == 4);
    CHECK(tg_pdist(tg_zeros(tg, TG_SHAPE(1, 2)), 2)->numel == 0 && tg_pdist(tg_zeros(tg, TG_SHAPE(0, 2)), 2)->numel == 0 && at(tg_pdist(tg_zeros(tg, TG_SHAPE(2, 0)), 2), 0) == 0);
    CHECK_OK(tg);
    REFUSED(TG_ERROR_VALUE, tg_pdist(x, -1), "pdist: the p of a norm must not be negative");
    REFUSED(TG_ERROR_SHAPE, tg_pdist(F64(1, 2), 2), "pdist: expected [N, D]");
    REFUSED(TG_ERROR_VALUE, tg_gaussian_nll_loss(F64(1, 2), F64(1, 2), F64(1, -1)), "gaussian_nll_loss: var has negative elements");
    REFUSED(TG_ERROR_SHAPE, tg_gaussian_nll_loss(F64(1, 2), F64(1, 2), F64(1, 1, 1)), "gaussian_nll_loss: var is f64[3]");
    REFUSED(TG_ERROR_VALUE, tg_triplet_margin_loss(x, x, x, .margin = -1), "the margin must be above 0");
    REFUSED(TG_ERROR_SHAPE, tg_cosine_embedding_loss(x, x, tg_integer(tg, 1)), "cosine_embedding_loss: expected x1 [N, D]");
    y = leaf(F64(0, 1));                                                       /* the variance's derivative below eps is that at eps */
    g = slope(tg_gaussian_nll_loss(F64(0, 0), F64(0, 0), y, .eps = TG_IS(0.5), .reduction = TG_LOSS_SUM), y);
    CHECK(at(g, 0) == 1 && at(g, 1) == 0.5);
}
/* All ways to spell a target in a few steps, one by one. */
static double spelled(const double *lp, int steps, int classes, const int64_t *target, int length, int blank) {
    double total = 0;
    int ways = 1, w, t, n, last, v;
    for (t = 0; t < steps; t++) ways *= classes;
    for (w = 0; w < ways; w++) {
        double p = 0;
        for (v = w, n = 0, last = -1, t = 0; t < steps; t++, v /= classes) {
            const int k = v % classes;
            p += lp[t * classes + k];
            if (k != blank && k != last) { if (n >= length || target[n] != k) break; n++; }
            last = k;
        }
        if (t == steps && n == length) total += exp(p);
    }
    return -log(total);
}
static void test_ctc(void) {
    const int64_t targets[4] = { 1, 1, 2, 2 }, two[2] = { 4, 3 }, sizes[2] = { 3, 1 };
    tg_tensor *x = leaf(tg_to(tg_randn(tg, TG_SHAPE(4, 2, 3)), TG_F64)), *lp = tg_log_softmax(x, 2), *y, *flat = tg_from(tg, TG_SHAPE(4), TG_I64, targets),
        *times = tg_from(tg, TG_SHAPE(2), TG_I64, two), *lengths = tg_from(tg, TG_SHAPE(2), TG_I64, sizes);
    double p[12];
    int i;
    static const int64_t second[1] = { 2 };
    y = tg_ctc_loss(lp, flat, times, lengths, .reduction = TG_LOSS_NONE);
    for (i = 0; i < 2; i++) {
        CHECK(tg_read(tg_select(lp, 1, i), p, sizeof p));
        CHECK_NEAR(at(y, i), spelled(p, i ? 3 : 4, 3, i ? second : targets, i ? 1 : 3, 0), 1e-9);
    }
    NEAR(tg_item(tg_ctc_loss(lp, flat, times, lengths)), (at(y, 0) / 3 + at(y, 1)) / 2);
    /* one label twice needs a blank between: three steps for two */
    y = tg_ctc_loss(tg_narrow(tg_select(lp, 1, 0), 0, 0, 2), I64(1, 1), tg_integer(tg, 2), tg_integer(tg, 2));
    CHECK(y && y->ndim == 0 && tg_item(y) == INFINITY);
    y = tg_ctc_loss(tg_narrow(tg_select(lp, 1, 0), 0, 0, 2), I64(1, 1), tg_integer(tg, 2), tg_integer(tg, 2), .zero_infinity = true);
    CHECK(tg_item(y) == 0 && at(slope(y, x), 0) == 0);
    /* nothing to spell */
    y = tg_ctc_loss(lp, tg_to(tg_zeros(tg, TG_SHAPE(2, 0)), TG_I64), I64(0, 2), I64(0, 0), .reduction = TG_LOSS_NONE);
    CHECK(at(y, 0) == 0); NEAR(at(y, 1), -tg_item(tg_slice(lp, "0, 1, 0")) - tg_item(tg_slice(lp, "1, 1, 0")));
    CHECK_OK(tg);
    REFUSED(TG_ERROR_VALUE, tg_ctc_loss(lp, flat, I64(5, 3), lengths), "ctc_loss: element 0 of input_lengths is 5; expected 0 to 4");
    REFUSED(TG_ERROR_SHAPE, tg_ctc_loss(lp, flat, times, I64(1, 1)), "do not hold 2 sequences of 2 elements");
    REFUSED(TG_ERROR_SHAPE, tg_ctc_loss(lp, flat, I64(4), lengths), "input_lengths is i64[1]; expected one for each of 2 sequences");
    REFUSED(TG_ERROR_VALUE, tg_ctc_loss(lp, flat, times, lengths, .blank = 3), "blank is 3");
    REFUSED(TG_ERROR_VALUE, tg_ctc_loss(lp, I64(1, 1, 2, 3), times, lengths), "index 3");
}
/* Each once: k counts up to how many there are. */
static tg_tensor *each(int k, tg_tensor *x, tg_tensor *y, tg_tensor *z, tg_tensor *classes, tg_tensor *ones) {
    switch (k) {
        case 0: return tg_mse_loss(x, y, .weight = z);
        case 1: return tg_l1_loss(x, y, .weight = z);
        case 2: return tg_smooth_l1_loss(x, y);
        case 3: return tg_huber_loss(x, y, .weight = z);
        case 4: return tg_binary_cross_entropy(x, y, .weight = z);
        case 5: return tg_binary_cross_entropy_with_logits(x, y, .pos_weight = z);
        case 6: return tg_multilabel_soft_margin_loss(x, y, .weight = z);
        case 7: return tg_kl_div(x, y, .reduction = TG_LOSS_BATCHMEAN);
        case 8: return tg_nll_loss(x, classes, .ignore_index = TG_IS(0));
        case 9: return tg_cross_entropy(x, classes, .label_smoothing = 0.1);
        case 10: return tg_cross_entropy(x, y);
        case 11: return tg_soft_margin_loss(x, y);
        case 12: return tg_multilabel_margin_loss(x, ones);
        case 13: return tg_hinge_embedding_loss(x, y);
        case 14: return tg_multi_margin_loss(x, classes);
        case 15: return tg_poisson_nll_loss(x, y, .full = true);
        case 16: return tg_gaussian_nll_loss(x, y, z);
        case 17: return tg_margin_ranking_loss(x, y, z);
        case 18: return tg_cosine_embedding_loss(x, y, classes);
        case 19: return tg_triplet_margin_loss(x, y, z, .swap = true);
        case 20: return tg_pdist(x, 3);
        case 21: return tg_ctc_loss(tg_unsqueeze(x, 0), classes, classes, classes);
        default: return NULL;
    }
}
#define EACH 22
static void test_hard_times(void) {
    test_heap heap;
    tg_tensor *x, *y, *z, *classes, *ones;
    int k;
    memset(&heap, 0, sizeof heap);
    for (k = 0; k < EACH; k++) {
        /* NULL: nothing to tell it to, or an error that names the operation */
        CHECK(!each(k, NULL, NULL, NULL, NULL, NULL));
        if (k != 20) { x = tg_ones(tg, TG_SHAPE(2, 2)); CHECK(!each(k, x, NULL, NULL, NULL, NULL)); CHECK_ERROR(tg, TG_ERROR_NULL); }
        for (heap.fail_at = 1; ; heap.fail_at++) {
            tg_ctx *own = test_open_heap(&heap);
            const double v[4] = { 0.25, 0.5, 0.75, 1 };
            if (own) {
                x = tg_require_grad(tg_from(own, TG_SHAPE(2, 2), TG_F64, v), true); y = tg_from(own, TG_SHAPE(2, 2), TG_F64, v); z = tg_from(own, TG_SHAPE(2, 2), TG_F64, v);
                classes = tg_full(own, TG_SHAPE(2), 1, TG_I64); ones = tg_full(own, TG_SHAPE(2, 2), 1, TG_I64);
                y = each(k, x, y, z, classes, ones);
                CHECK_MSG(y ? !tg_failed(own) : tg_error(own) == TG_ERROR_MEMORY, "loss %d, allocation %ld: %s", k, heap.fail_at, tg_error_text(own));
                tg_close(own);
            }
            if (!test_heap_ended(&heap)) break;
        }
    }
}

int main(void) {
    tg_config c = test_config(NULL);
    tg = tg_open(&c);
    if (!tg) return 1;
    test_bent();
    test_binary();
    test_classes();
    test_pairs();
    test_ctc();
    test_hard_times();
    tg_close(tg);
    return test_end("loss");
}
