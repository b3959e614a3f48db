/* Padding, windows as columns, shuffles, dropout of channels: against what they say of each element; second-order gradients; the messages.
   cc -O2 tests/test_window.c -o test_window -pthread && ./test_window */
#include "test.h"

static tg_ctx *tg;
static double el(tg_tensor *t, int64_t i) { double v; tg_tensor *d = tg_contiguous(tg_to(tg_detach(t), TG_F64)); v = d ? ((double *)d->data)[i] : 0; return v; }

/* ---- padding: one dimension, by hand ---- */
static void row_is(tg_tensor *y, int n, const double *want, int line) {
    int i;
    if (!CHECK_MSG(y && y->numel == n, "line %d: %s", line, tg_error_text(tg))) { tg_clear(tg); return; }
    for (i = 0; i < n; i++) CHECK_MSG(el(y, i) == want[i], "line %d, element %d: %g", line, i, el(y, i));
}
#define ROW_IS(y, ...) do { const double want_[] = { __VA_ARGS__ }; row_is(y, (int)(sizeof want_ / sizeof *want_), want_, __LINE__); } while (0)
static void padding(tg_dtype type) {
    const tg_mark m = tg_begin(tg);
    tg_tensor *x = tg_reshape(tg_arange(tg, 0, 4, 1, type), TG_SHAPE(1, 4));
    ROW_IS(tg_pad(x, TG_DIMS(1, 2), TG_PAD_CONSTANT, 7), 7, 0, 1, 2, 3, 7, 7);
    ROW_IS(tg_pad(x, TG_DIMS(-1, 2), TG_PAD_CONSTANT, 7), 1, 2, 3, 7, 7);
    ROW_IS(tg_pad(x, TG_DIMS(-1, -2), TG_PAD_CONSTANT, 7), 1);
    ROW_IS(tg_constant_pad_nd(x, TG_DIMS(0, 0, 1, 0), 0), 0, 0, 0, 0, 0, 1, 2, 3);
    ROW_IS(tg_pad(x, TG_DIMS(3, 2), TG_PAD_REFLECT, 0), 3, 2, 1, 0, 1, 2, 3, 2, 1);
    ROW_IS(tg_pad(x, TG_DIMS(-2, 3), TG_PAD_REFLECT, 0), 2, 3, 2, 1, 0);
    ROW_IS(tg_pad(x, TG_DIMS(2, -3), TG_PAD_REFLECT, 0), 2, 1, 0);
    ROW_IS(tg_pad(x, TG_DIMS(2, 5), TG_PAD_REPLICATE, 0), 0, 0, 0, 1, 2, 3, 3, 3, 3, 3, 3);
    ROW_IS(tg_pad(x, TG_DIMS(-6, 4), TG_PAD_REPLICATE, 0), 3, 3);
    ROW_IS(tg_pad(x, TG_DIMS(2, 4), TG_PAD_CIRCULAR, 0), 2, 3, 0, 1, 2, 3, 0, 1, 2, 3);
    ROW_IS(tg_pad(x, TG_DIMS(-1, 3), TG_PAD_CIRCULAR, 0), 1, 2, 3, 1, 2, 3);
    ROW_IS(tg_pad(x, TG_DIMS(3, -2), TG_PAD_CIRCULAR, 0), 1, 0, 1, 0, 1);
    CHECK(tg_equal(tg_pad(x, TG_DIMS(0, 0), TG_PAD_REFLECT, 0), x) && tg_pad(x, TG_DIMS(0, 0), TG_PAD_REFLECT, 0) != x && tg_equal(tg_pad(x, 0, NULL, TG_PAD_CONSTANT, 1), x));
    CHECK_OK(tg);
    tg_end(tg, m);
}
/* Two dimensions and a batch: each element is one of x, of any strides. */
static int64_t source(tg_pad_mode mode, int64_t i, int64_t d) {
    if (mode == TG_PAD_REPLICATE) return i < 0 ? 0 : i >= d ? d - 1 : i;
    if (mode == TG_PAD_CIRCULAR) return (i + d) % d;
    return i < 0 ? -i : i >= d ? 2 * d - 2 - i : i;
}
static void pictures(void) {
    const tg_mark m = tg_begin(tg);
    tg_tensor *x = tg_transpose(tg_randn(tg, TG_SHAPE(2, 3, 6, 5)), 2, 3);              /* [2, 3, 5, 6] */
    int mode;
    for (mode = 1; mode < 4; mode++) {
        tg_tensor *y = tg_pad(x, TG_DIMS(2, 1, 3, 4), (tg_pad_mode)mode, 0);
        int64_t n, c, i, j, bad = 0;
        if (!CHECK(y && y->shape[2] == 12 && y->shape[3] == 9)) continue;
        for (n = 0; n < 2; n++) for (c = 0; c < 3; c++) for (i = 0; i < 12; i++) for (j = 0; j < 9; j++) {
            const int64_t to[4] = { n, c, i, j }, from[4] = { n, c, source((tg_pad_mode)mode, i - 3, 5), source((tg_pad_mode)mode, j - 2, 6) };
            bad += tg_get(y, to) != tg_get(x, from);
        }
        CHECK_INT(bad, 0);
    }
    CHECK_OK(tg);
    tg_end(tg, m);
}

/* ---- windows ---- */
static void columns(void) {
    const tg_mark m = tg_begin(tg);
    tg_tensor *x = tg_permute(tg_randn(tg, TG_SHAPE(7, 3, 2, 6)), TG_DIMS(2, 1, 0, 3)), *w = tg_randn(tg, TG_SHAPE(4, 3, 3, 2)), *y, *c, *v, *back;      /* x [2, 3, 7, 6] */
    c = tg_nn_unfold(x, .kernel = { 3, 2 }, .padding = { 1, 2 }, .stride = { 2, 1 }, .dilation = { 1, 2 });
    y = tg_conv2d(x, w, NULL, .padding = { 1, 2 }, .stride = { 2, 1 }, .dilation = { 1, 2 });
    CHECK(c && y && c->ndim == 3 && c->shape[1] == 18 && c->shape[2] == y->shape[2] * y->shape[3]);
    CHECK(tg_allclose(tg_reshape(tg_matmul(tg_reshape(w, TG_SHAPE(4, 18)), c), y->ndim, y->shape), y, 1e-5, 1e-5));
    v = tg_randn(tg, c->ndim, c->shape);                                                /* fold is unfold turned around: <unfold x, v> = <x, fold v> */
    back = tg_fold(v, .size = { 7, 6 }, .kernel = { 3, 2 }, .padding = { 1, 2 }, .stride = { 2, 1 }, .dilation = { 1, 2 });
    CHECK_NEAR(tg_item(tg_sum(tg_mul(c, v))), tg_item(tg_sum(tg_mul(x, back))), 1e-3);
    CHECK(tg_equal(tg_nn_unfold(tg_select(x, 0, 1), .kernel = { 2, 2 }), tg_select(tg_nn_unfold(x, .kernel = { 2, 2 }), 0, 1)));
    CHECK(tg_equal(tg_fold(tg_select(v, 0, 1), .size = { 7, 6 }, .kernel = { 3, 2 }, .padding = { 1, 2 }, .stride = { 2, 1 }, .dilation = { 1, 2 }), tg_select(back, 0, 1)));
    CHECK_OK(tg);
    tg_end(tg, m);
}

/* ---- shuffles ---- */
static void shuffles(void) {
    const tg_mark m = tg_begin(tg);
    tg_tensor *x = tg_reshape(tg_arange(tg, 0, 2 * 8 * 2 * 3, 1, TG_I32), TG_SHAPE(2, 1, 8, 2, 3)), *y = tg_pixel_shuffle(x, 2);
    const int64_t to[5] = { 1, 0, 1, 3, 4 }, from[5] = { 1, 0, 1 * 4 + 1 * 2 + 0, 1, 2 };
    CHECK(y && y->ndim == 5 && y->shape[2] == 2 && y->shape[3] == 4 && y->shape[4] == 6);
    CHECK(tg_get(y, to) == tg_get(x, from) && tg_equal(tg_pixel_unshuffle(y, 2), x));
    y = tg_channel_shuffle(tg_reshape(tg_arange(tg, 0, 6, 1, TG_F16), TG_SHAPE(1, 6, 1)), 2);
    ROW_IS(y, 0, 3, 1, 4, 2, 5);
    CHECK_OK(tg);
    tg_end(tg, m);
}

/* ---- gradients, second order too ---- */
static bool each(void *user, tg_tensor *const *x, int n, tg_tensor **y, int n_out) {
    tg_tensor *t = tg_square(x[0]);
    (void)n; (void)n_out;
    switch (*(int *)user) {
        case 0: t = tg_pad(t, TG_DIMS(1, -1, 2, 0), TG_PAD_CONSTANT, 3); break;
        case 1: t = tg_pad(t, TG_DIMS(1, 2, -1, 1), TG_PAD_REFLECT, 0); break;
        case 2: t = tg_pad(t, TG_DIMS(3, 2, -1, 1), TG_PAD_REPLICATE, 0); break;
        case 3: t = tg_pad(t, TG_DIMS(3, 2, -1, 1), TG_PAD_CIRCULAR, 0); break;
        case 4: t = tg_nn_unfold(t, .kernel = { 2, 2 }, .padding = { 1, 0 }); break;
        case 5: t = tg_fold(t, .size = { 3, 2 }, .kernel = { 2, 1 }, .padding = { 1, 0 }, .stride = { 2, 1 }); break;
        case 6: t = tg_pixel_shuffle(t, 2); break;
        case 7: t = tg_pixel_unshuffle(t, 2); break;
        default: t = tg_channel_shuffle(t, 2); break;
    }
    *y = tg_mul(t, t);
    return *y != NULL;
}
static void gradients(void) {
    static const int64_t shapes[9][4] = { { 1, 2, 3, 3 }, { 1, 2, 3, 3 }, { 1, 2, 3, 3 }, { 1, 2, 3, 3 }, { 1, 2, 3, 3 }, { 4, 4, 1, 1 }, { 1, 4, 1, 2 }, { 1, 1, 2, 4 }, { 1, 4, 2, 1 } };
    int k;
    for (k = 0; k < 9; k++) {
        const tg_mark m = tg_begin(tg);
        tg_tensor *x = tg_to(tg_randn(tg, k == 5 ? 2 : 4, shapes[k]), TG_F64);
        tg_function_call f;
        memset(&f, 0, sizeof f);
        x = tg_require_grad(x, true);
        f.f = each; f.user = &k; f.inputs = &x; f.n_inputs = f.n_outputs = 1;
        CHECK_MSG(tg_gradcheck(&f, .second = true), "function %d: %s", k, tg_error_text(tg));
        tg_clear(tg);
        tg_end(tg, m);
    }
}

/* ---- dropout ---- */
/* Within a channel the mask is one; about p of the channels are dropped. */
static void channels(tg_tensor *y, int64_t count, double kept) {
    tg_tensor *rows = tg_reshape(y, TG_SHAPE(count, -1)), *low = tg_amin_dims(rows, TG_DIMS(1), false), *high = tg_amax_dims(rows, TG_DIMS(1), false);
    CHECK(tg_equal(low, high));
    CHECK_NEAR(tg_item(tg_mean(tg_to(tg_gt_scalar(high, 0.5), TG_F32))), 0.75, 0.06);
    CHECK_NEAR(tg_item(tg_amax(high)), kept, 1e-6);
}
static void dropouts(void) {
    const tg_mark m = tg_begin(tg);
    tg_tensor *x = tg_ones(tg, TG_SHAPE(30, 40, 2, 3)), *y, *z;
    channels(tg_dropout2d(x, 0.25, true), 1200, 4 / 3.);
    channels(tg_dropout3d(tg_unsqueeze(x, 2), 0.25, true), 1200, 4 / 3.);
    channels(tg_dropout1d(tg_reshape(x, TG_SHAPE(30, 40, 6)), 0.25, true), 1200, 4 / 3.);
    channels(tg_dropout1d(tg_reshape(x, TG_SHAPE(1200, 6)), 0.25, true), 1200, 4 / 3.);
    channels(tg_dropout3d(tg_reshape(x, TG_SHAPE(1200, 1, 2, 3)), 0.25, true), 1200, 4 / 3.);
    channels(tg_dropout2d(tg_reshape(x, TG_SHAPE(30, 40, 6)), 0.25, true), 1200, 4 / 3.);
    z = tg_randn(tg, TG_SHAPE(400, 500));
    {   /* of 20000 rows each class is the largest as often as its probability says; hard ones have the soft one's gradient */
        static const float p[3] = { 0.5f, 0.3f, 0.2f };
        tg_tensor *logits = tg_require_grad(tg_contiguous(tg_expand(tg_log(tg_from_f32(tg, TG_SHAPE(3), p)), TG_SHAPE(20000, 3))), true), *h, *gh, *s, *gs, *w = tg_randn(tg, TG_SHAPE(3));
        tg_random_state random = tg_random_get(tg);
        int j;
        h = tg_gumbel_softmax(logits, 0.8, true, -1);
        for (j = 0; j < 3; j++) CHECK_NEAR(tg_item(tg_mean(tg_select(tg_detach(h), 1, j))), (double)p[j], 0.02);
        CHECK(tg_item(tg_min(tg_detach(h))) == 0 && tg_item(tg_max(tg_detach(h))) == 1);
        tg_random_set(tg, random);
        s = tg_gumbel_softmax(logits, 0.8, false, 1);
        CHECK(tg_allclose(tg_sum_dims(tg_detach(s), TG_DIMS(1), false), tg_ones(tg, TG_SHAPE(20000)), 1e-5, 0) && tg_equal(tg_argmax_dim(tg_detach(s), 1, false), tg_argmax_dim(tg_detach(h), 1, false)));
        h = tg_sum(tg_mul(h, w)); s = tg_sum(tg_mul(s, w));
        CHECK(tg_grad(&h, 1, &logits, 1, &gh) && tg_grad(&s, 1, &logits, 1, &gs) && tg_equal(gh, gs));
        CHECK(!tg_gumbel_softmax(tg_arange(tg, 0, 3, 1, TG_I64), 1, false, -1)); tg_clear(tg);
    }
    y = tg_alpha_dropout(z, 0.3, true);
    CHECK_NEAR(tg_item(tg_mean(y)), 0, 0.02); CHECK_NEAR(tg_item(tg_std(y, 1)), 1, 0.02);
    y = tg_feature_alpha_dropout(tg_ones(tg, TG_SHAPE(30, 40, 6)), 0.25, true);
    CHECK(tg_equal(tg_amin_dims(y, TG_DIMS(2), false), tg_amax_dims(y, TG_DIMS(2), false)) && tg_item(tg_amin(y)) < -1);
    CHECK(tg_dropout2d(x, 0, true) == x && tg_alpha_dropout(x, 0.5, false) == x && tg_item(tg_sum(tg_alpha_dropout(x, 1, true))) == 0 && tg_item(tg_sum(tg_dropout2d(x, 1, true))) == 0);
    CHECK_OK(tg);
    tg_end(tg, m);
}

/* ---- messages ---- */
#define REFUSED(call, text) do { CHECK(!(call)); CHECK_MSG(tg_failed(tg) && strstr(tg_error_text(tg), text) == tg_error_text(tg), "%s", tg_error_text(tg)); tg_clear(tg); } while (0)
static void messages(void) {
    const tg_mark m = tg_begin(tg);
    tg_tensor *x = tg_ones(tg, TG_SHAPE(1, 3, 4, 4)), *w = tg_ones(tg, TG_SHAPE(3, 2, 3, 3)), *none = tg_ones(tg, TG_SHAPE(2, 0, 4)), *v = tg_ones(tg, TG_SHAPE(4)), *same = tg_ones(tg, TG_SHAPE(1, 3, 3, 3));
    REFUSED(tg_pad(x, TG_DIMS(1), TG_PAD_CONSTANT, 0), "pad: 1 pads given: two for each of the last dimensions of f32[1, 3, 4, 4] are expected");
    REFUSED(tg_pad(v, TG_DIMS(1, 1, 1, 1), TG_PAD_CONSTANT, 0), "pad: 4 pads given: two for each of the last dimensions of f32[4] are expected");
    REFUSED(tg_constant_pad_nd(x, TG_DIMS(-3, -2), 0), "constant_pad_nd: padding by -3 and -2 takes more than there is of dimension 3 of f32[1, 3, 4, 4]");
    REFUSED(tg_pad(v, TG_DIMS(1, 1), TG_PAD_REFLECT, 0), "pad: 2 pads of this mode need x of 2 or 3 dimensions, and are 2, 4 or 6; got f32[4]");
    REFUSED(tg_pad(x, TG_DIMS(1, 1, 4, 0), TG_PAD_REFLECT, 0), "pad: 4 elements cannot be reflected: dimension 2 of f32[1, 3, 4, 4] has none beyond the first 4");
    REFUSED(tg_pad(x, TG_DIMS(1, 5, 0, 0), TG_PAD_CIRCULAR, 0), "pad: padding by 5 goes around dimension 3 of f32[1, 3, 4, 4] more than once");
    REFUSED(tg_pad(x, TG_DIMS(-2, -2, 0, 0), TG_PAD_REPLICATE, 0), "pad: padding by -2 and -2 leaves nothing of dimension 3 of f32[1, 3, 4, 4]");
    REFUSED(tg_pad(x, TG_DIMS(-4, 3, 0, 0), TG_PAD_CIRCULAR, 0), "pad: padding by -4 and 3 leaves nothing of dimension 3 of f32[1, 3, 4, 4]");
    CHECK(tg_pad(x, TG_DIMS(-5, 1, 0, 0), TG_PAD_CIRCULAR, 0)->numel == 0 && tg_pad(none, TG_DIMS(1, 1), TG_PAD_CIRCULAR, 0)->numel == 0);
    REFUSED(tg_pad(none, TG_DIMS(1, 1), TG_PAD_REPLICATE, 0), "pad: dimension 1 of f32[2, 0, 4] is empty: there is nothing to pad with");
    REFUSED(tg_pad(x, TG_DIMS(1, 1, 1, 1), TG_PAD_REFLECT, 2), "pad: only TG_PAD_CONSTANT takes a value");
    REFUSED(tg_pad(x, TG_DIMS(1, 1), (tg_pad_mode)7, 0), "pad: mode: expected one of tg_pad_mode, got 7");
    REFUSED(tg_pad(x, TG_DIMS(INT64_MAX, 1), TG_PAD_CONSTANT, 0), "pad: the padding is too large");
    REFUSED(tg_nn_unfold(x), "nn_unfold: kernel size cannot be 0");
    REFUSED(tg_nn_unfold(v, .kernel = { 2, 2 }), "nn_unfold: expected x [N, C, H, W] or [C, H, W] of at least one channel, got f32[4]");
    REFUSED(tg_nn_unfold(x, .kernel = { 5, 2 }), "nn_unfold: a kernel of 5 by 2 does not fit into the padded picture of 4 by 4");
    REFUSED(tg_fold(tg_ones(tg, TG_SHAPE(7, 9)), .size = { 4, 4 }, .kernel = { 2, 2 }), "fold: columns of 7 in f32[7, 9] are not channels times a kernel of 2 by 2");
    REFUSED(tg_fold(tg_ones(tg, TG_SHAPE(8, 8)), .size = { 4, 4 }, .kernel = { 2, 2 }), "fold: f32[8, 8] has 8 columns, but the kernel takes 3 by 3 steps");
    REFUSED(tg_fold(tg_ones(tg, TG_SHAPE(8, 9)), .kernel = { 2, 2 }), "fold: the size of a picture cannot be 0");
    REFUSED(tg_pixel_shuffle(x, 2), "pixel_shuffle: the channels of f32[1, 3, 4, 4] are no multiple of 4");
    REFUSED(tg_pixel_unshuffle(x, 3), "pixel_unshuffle: height and width of f32[1, 3, 4, 4] are not both multiples of 3");
    REFUSED(tg_pixel_shuffle(v, 2), "pixel_shuffle: expected [..., C, H, W], got f32[4]");
    REFUSED(tg_channel_shuffle(x, 2), "channel_shuffle: the channels of f32[1, 3, 4, 4] cannot be divided into 2 groups");
    REFUSED(tg_dropout1d(v, 0.5, false), "dropout1d: expected x [N, C, L] or [C, L], got f32[4]");
    REFUSED(tg_dropout2d(v, 0.5, true), "dropout2d: f32[4] has no channels: at least 2 dimensions are expected");
    REFUSED(tg_alpha_dropout(v, 1.5, false), "alpha_dropout: probability 1.5 is not between 0 and 1");
    REFUSED(tg_conv_transpose2d(x, w, NULL, .output_padding = { 1, 0 }), "conv_transpose2d: output_padding cannot be 1: it is smaller than the stride 1 or the dilation 1");
    REFUSED(tg_conv_transpose2d(x, w, NULL, .stride = { 2, 2 }, .output_padding = { -1, 0 }), "conv_transpose2d: output_padding cannot be -1");
    REFUSED(tg_conv_transpose2d(tg_narrow(x, 2, 0, 1), w, NULL, .padding = { 2, 0 }), "conv_transpose2d: x f32[1, 3, 1, 4] and weight f32[3, 2, 3, 3] with this padding leave no result");
    REFUSED(tg_conv_transpose2d(x, w, v), "conv_transpose2d: bias is f32[4], expected [2]");
    REFUSED(tg_conv_transpose2d(tg_ones(tg, TG_SHAPE(1, 2, 4, 4)), w, NULL), "conv_transpose2d: x f32[1, 2, 4, 4] has 2 channels; weight f32[3, 2, 3, 3] with 1 groups expects 3");
    REFUSED(tg_conv_transpose1d(x, w, NULL), "conv_transpose1d: expected x [N, C, L] or [C, L] and weight");
    REFUSED(tg_conv3d(x, w, NULL), "conv3d: expected x [N, C, D, H, W] or [C, D, H, W] and weight [O, C/groups, KD, KH, KW], got f32[1, 3, 4, 4] and f32[3, 2, 3, 3]");
    REFUSED(tg_conv2d(x, same, NULL, .same = true, .stride = { 2, 1 }), "conv2d: padding to the same size needs stride 1");
    REFUSED(tg_conv2d(x, same, NULL, .same = true, .padding = { 0, 1 }), "conv2d: either .padding or .same can be given");
    REFUSED(tg_conv_transpose1d(tg_ones(tg, TG_SHAPE(1, 2, 0)), tg_ones(tg, TG_SHAPE(2, 2, 3)), NULL), "conv_transpose1d: x f32[1, 2, 0] and weight f32[2, 2, 3] with this padding leave no result");
    tg_end(tg, m);
}

/* Sizes that no arithmetic holds. */
static void huge(void) {
    const tg_mark m = tg_begin(tg);
    const int64_t most = INT64_MAX, wide = most / 8;
    tg_tensor *x = tg_ones(tg, TG_SHAPE(1, 2, 4, 4)), *columns = tg_ones(tg, TG_SHAPE(4, 9));
    int mode;
    REFUSED(tg_nn_unfold(x, .kernel = {1, 1}, .padding = {wide, wide}, .stride = {wide, wide}), "nn_unfold: the padded picture is too large");
    REFUSED(tg_nn_unfold(x, .kernel = {2, 2}, .padding = {wide, wide}, .dilation = {wide, wide}), "nn_unfold: the padded picture is too large");
    REFUSED(tg_fold(columns, .size = {most, most}, .kernel = {1, 1}, .stride = {most / 3, most / 3}), "fold: the padded picture is too large");
    for (mode = TG_PAD_CONSTANT; mode <= TG_PAD_CIRCULAR; mode++) {
        REFUSED(tg_pad(x, TG_DIMS(most, -most), (tg_pad_mode)mode, 0), "pad: the padding is too large");
        REFUSED(tg_pad(x, TG_DIMS(INT64_MIN, most), (tg_pad_mode)mode, 0), "pad: the padding is too large");
    }
    REFUSED(tg_pixel_unshuffle(tg_ones(tg, TG_SHAPE(3 << 20, 0, 0)), (int64_t)1 << 31), "pixel_unshuffle: the factor is too large");
    REFUSED(tg_pixel_shuffle(tg_ones(tg, TG_SHAPE(0, (int64_t)1 << 40, 2)), (int64_t)1 << 31), "pixel_shuffle: the factor is too large");
    tg_end(tg, m);
}
int main(void) {
    static const tg_dtype types[] = { TG_F32, TG_F64, TG_F16, TG_BF16, TG_I64, TG_I32, TG_I16, TG_I8, TG_U8 };
    int i;
    tg = test_open();
    for (i = 0; i < (int)(sizeof types / sizeof *types); i++) padding(types[i]);
    pictures();
    columns();
    shuffles();
    gradients();
    dropouts();
    messages();
    huge();
    tg_close(tg);
    return test_end("window");
}
