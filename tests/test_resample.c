/* run.sh flags: -lm -lpthread */
/* What the golden cases do not reach: boxes against plain loops, other memory layouts, any number of threads, refusals, what is outside of x. */
#include "test.h"
#include <math.h>

static double at4(tg_tensor *t, int64_t a, int64_t b, int64_t c, int64_t d) { const int64_t i[4] = { a, b, c, d }; return tg_get(t, i); }
static tg_tensor *numbers(tg_ctx *tg, int ndim, const int64_t *shape, tg_dtype d) {
    tg_tensor *t = tg_randn(tg, ndim, shape);
    return tg_to(d == TG_U8 ? tg_add_scalar(tg_mul_scalar(t, 60), 128) : t, d);
}
static bool same(tg_tensor *a, tg_tensor *b) { return a && b && tg_equal(tg_contiguous(a), tg_contiguous(b)); }

/* ---- roi_align, as torchvision defines it ---- */
static double between(tg_tensor *x, int64_t n, int64_t c, double h, double w) {
    const int64_t H = x->shape[2], W = x->shape[3];
    int64_t h0, w0, h1, w1;
    if (h < -1 || h > (double)H || w < -1 || w > (double)W) return 0;
    h = h < 0 ? 0 : h; w = w < 0 ? 0 : w;
    h0 = (int64_t)h; w0 = (int64_t)w;
    if (h0 >= H - 1) { h0 = h1 = H - 1; h = (double)h0; } else h1 = h0 + 1;
    if (w0 >= W - 1) { w0 = w1 = W - 1; w = (double)w0; } else w1 = w0 + 1;
    h -= (double)h0; w -= (double)w0;
    return (1 - h) * ((1 - w) * at4(x, n, c, h0, w0) + w * at4(x, n, c, h0, w1)) + h * ((1 - w) * at4(x, n, c, h1, w0) + w * at4(x, n, c, h1, w1));
}
static double bin_of(tg_tensor *x, const double *box, int64_t c, int64_t p, int64_t q, int64_t P, int64_t Q, double scale, int64_t ratio, bool aligned) {
    const double off = aligned ? 0.5 : 0, left = box[1] * scale - off, top = box[2] * scale - off;
    double w = box[3] * scale - off - left, h = box[4] * scale - off - top, sum = 0;
    int64_t i, k, n_h, n_w;
    if (!aligned) { w = w < 1 ? 1 : w; h = h < 1 ? 1 : h; }
    w /= (double)Q; h /= (double)P;
    n_h = ratio > 0 ? ratio : (int64_t)ceil(h); n_w = ratio > 0 ? ratio : (int64_t)ceil(w);
    for (i = 0; i < n_h; i++) for (k = 0; k < n_w; k++)
        sum += between(x, (int64_t)box[0], c, top + (double)p * h + ((double)i + 0.5) * h / (double)n_h, left + (double)q * w + ((double)k + 0.5) * w / (double)n_w);
    return n_h * n_w > 0 ? sum / (double)(n_h * n_w) : 0;
}
static void boxes_are_means(tg_ctx *tg) {
    static const double v[] = { 0, 1, 1, 6, 5, 1, -3, 0.5, 20.5, 4.25, 0, 2, 2, 2.1, 2.2, 1, 0, 0, 9, 7, 0, 30, 30, 40, 40, 1, 5, 5, 2, 1 };
    const int64_t K = 6, C = 11;
    tg_tensor *x = numbers(tg, TG_SHAPE(2, C, 7, 9), TG_F64), *boxes = tg_from(tg, TG_SHAPE(K, 5), TG_F64, v), *y;
    for (int how = 0; how < 8; how++) {
        const bool aligned = how & 1;
        const int64_t ratio = how & 2 ? 2 : 0;
        const double scale = how & 4 ? 0.5 : 1;
        double worst = 0;
        y = tg_roi_align(how & 2 ? tg_transpose(tg_contiguous(tg_transpose(x, 1, 3)), 1, 3) : x, boxes, .aligned = aligned, .output_size = {3, 2}, .sampling_ratio = ratio, .spatial_scale = TG_IS(scale));
        if (!CHECK_MSG(y && y->shape[0] == K && y->shape[1] == C && y->shape[2] == 3 && y->shape[3] == 2, "%s", tg_error_text(tg))) return;
        for (int64_t i = 0; i < y->numel; i++) {
            const int64_t q = i % 2, p = i / 2 % 3, c = i / 6 % C, k = i / 6 / C;
            const double d = fabs(at4(y, k, c, p, q) - bin_of(x, v + 5 * k, c, p, q, 3, 2, scale, ratio, aligned));
            if (!(d <= worst)) worst = d;
        }
        CHECK_MSG(worst < 1e-12, "roi_align, way %d: off by %g", how, worst);
    }
    y = tg_roi_align(tg_to(x, TG_F16), tg_to(boxes, TG_F16), .output_size = {1, 1});
    CHECK(y && y->dtype == TG_F16);
    tg_clear(tg);
    /* a box of nonsense ends, and is outside of x for the most part */
    { static const double wide[] = { 0, -1e8, -1e8, 1e8, 1e8 }; y = tg_roi_align(x, tg_from(tg, TG_SHAPE(1, 5), TG_F64, wide), .output_size = {1, 1}); CHECK(y && fabs(tg_get(y, TG__DIMS(0, 3, 0, 0))) < 1e-6); }
    { static const double lost[] = { 2, 0, 0, 1, 1 }; CHECK(!tg_roi_align(x, tg_from(tg, TG_SHAPE(1, 5), TG_F64, lost), .output_size = {1, 1})); CHECK(tg_error(tg) == TG_ERROR_VALUE); tg_clear(tg); }
    CHECK(!tg_roi_align(x, boxes)); tg_clear(tg);
    CHECK(!tg_roi_align(x, tg_to(boxes, TG_F32), .output_size = {1, 1})); tg_clear(tg);
}
static void nms_keeps_the_best(tg_ctx *tg) {
    static const float b[] = { 0, 0, 10, 10, 1, 1, 11, 11, 20, 20, 30, 30, 0, 0, 10, 10.5f, 21, 21, 29, 31, 0, 0, 0, 0 };
    static const float s[] = { 0.5f, 0.9f, 0.3f, 0.5f, 0.8f, 0.1f };
    tg_tensor *boxes = tg_from(tg, TG_SHAPE(6, 4), TG_F32, b), *scores = tg_from(tg, TG_SHAPE(6), TG_F32, s), *kept;
    const int64_t want_half[] = { 1, 4, 5 }, want_all[] = { 1, 4, 0, 3, 2, 5 };
    kept = tg_nms(boxes, scores, 0.5);
    CHECK(same(kept, tg_from(tg, TG_SHAPE(3), TG_I64, want_half)));
    kept = tg_nms(boxes, scores, 1);
    CHECK(same(kept, tg_from(tg, TG_SHAPE(6), TG_I64, want_all)));
    kept = tg_nms(tg_zeros(tg, TG_SHAPE(0, 4)), tg_zeros(tg, TG_SHAPE(0)), 0.5);
    CHECK(kept && kept->numel == 0 && kept->dtype == TG_I64);
    CHECK(!tg_nms(boxes, boxes, 0.5)); tg_clear(tg);
}

/* ---- sizes: any layout and any number of threads give the same; the gradient is the transposed sum ---- */
static tg_tensor *resized(tg_tensor *x, tg_interpolate_mode mode, bool antialias, bool align, const int64_t *size) {
    tg_interpolate_args a;
    memset(&a, 0, sizeof a);
    a.x = x; a.mode = mode; a.antialias = antialias; a.align_corners = align;
    memcpy(a.size, size, sizeof a.size);
    return tg_interpolate_from(&a);
}
static void layouts_agree(tg_ctx *tg) {
    static const int64_t sizes[][3] = { { 17, 23 }, { 5, 40 }, { 31, 4 }, { 1, 1 }, { 12, 19 } };
    static const tg_interpolate_mode modes[] = { TG_INTERPOLATE_NEAREST, TG_INTERPOLATE_BILINEAR, TG_INTERPOLATE_BICUBIC, TG_INTERPOLATE_AREA };
    static const tg_dtype kinds[] = { TG_F32, TG_F64, TG_BF16, TG_U8 };
    for (int k = 0; k < 4; k++) for (int m = 0; m < 4; m++) for (int s = 0; s < 5; s++) for (int aa = 0; aa < (m == 1 || m == 2 ? 2 : 1); aa++) {
        tg_mark mark = tg_begin(tg);
        tg_tensor *x = numbers(tg, TG_SHAPE(2, 5, 12, 19), kinds[k]), *y = resized(x, modes[m], aa, false, sizes[s]), *z;
        int64_t last = 3;
        if (kinds[k] == TG_U8 && m == 3) { CHECK(!y); tg_clear(tg); tg_end(tg, mark); continue; }
        if (!CHECK_MSG(y && y->shape[2] == sizes[s][0] && y->shape[3] == sizes[s][1], "%s", tg_error_text(tg))) { tg_end(tg, mark); return; }
        z = resized(tg_permute(tg_contiguous(tg_permute(x, TG_DIMS(0, 2, 3, 1))), TG_DIMS(0, 3, 1, 2)), modes[m], aa, false, sizes[s]);
        if (m == 0 || kinds[k] == TG_U8) CHECK(same(z, y)); else CHECK(tg_allclose(z, y, kinds[k] == TG_BF16 ? 1e-2 : 1e-5, kinds[k] == TG_BF16 ? 1e-2 : 1e-5));
        CHECK(!z || sizes[s][0] == 1 || z->stride[1] == 1);                                  /* channels last stays so */
        CHECK(same(resized(tg_flip(tg_contiguous(tg_flip(x, 1, &last)), 1, &last), modes[m], aa, false, sizes[s]), y));
        CHECK(same(resized(tg_transpose(tg_contiguous(tg_transpose(x, 2, 3)), 2, 3), modes[m], aa, false, sizes[s]), y));
        CHECK(same(resized(tg_slice_dim(tg_repeat(tg_unsqueeze(x, -1), TG_DIMS(1, 1, 1, 1, 2)), -1, 0, 1, 1) ? tg_select(tg_repeat(tg_unsqueeze(x, -1), TG_DIMS(1, 1, 1, 1, 2)), -1, 1) : NULL, modes[m], aa, false, sizes[s]), y));
        tg_end(tg, mark);
    }
}
static void threads_agree(tg_ctx *tg) {
    static const int64_t up[3] = { 130, 90, 0 }, down[3] = { 31, 17, 0 };
    tg_tensor *x = tg_require_grad(tg_randn(tg, TG_SHAPE(3, 9, 64, 48)), true), *grid = tg_require_grad(tg_rand(tg, TG_SHAPE(3, 40, 33, 2)), true), *boxes, *of[2], *g[2], *one[12], *two[12];
    float v[40];
    for (int i = 0; i < 40; i++) v[i] = i % 5 ? (float)test_uniform(0, 60) : (float)(i / 5 % 3);
    boxes = tg_from(tg, TG_SHAPE(8, 5), TG_F32, v);
    for (int t = 1; t <= 3; t += 2) {
        tg_tensor **to = t == 1 ? one : two, *y[6];
        int n = 0;
        tg_threads(tg, t);
        y[n++] = resized(x, TG_INTERPOLATE_BILINEAR, false, false, up); y[n++] = resized(x, TG_INTERPOLATE_BICUBIC, true, false, down);
        y[n++] = resized(x, TG_INTERPOLATE_NEAREST, false, false, up); y[n++] = tg_grid_sample(x, grid);
        y[n++] = tg_grid_sample(x, grid, .mode = TG_GRID_BICUBIC, .padding = TG_GRID_BORDER); y[n++] = tg_roi_align(x, boxes, .output_size = {7, 7});
        of[0] = x; of[1] = grid;
        for (int i = 0; i < 6; i++) {
            tg_tensor *seed = y[i] ? tg_ones_like(y[i]) : NULL;
            to[2 * i] = to[2 * i + 1] = NULL;
            if (!CHECK_MSG(y[i] && tg_grad(&y[i], 1, of, 2, g, .grad_outputs = &seed, .allow_unused = true), "%s", tg_error_text(tg))) return;
            to[2 * i] = tg_cat((tg_tensor *[]){ tg_reshape(y[i], TG_SHAPE(-1)), tg_reshape(g[0], TG_SHAPE(-1)) }, 2, 0); to[2 * i + 1] = g[1];
        }
    }
    for (int i = 0; i < 12; i++) CHECK_MSG(one[i] ? same(one[i], two[i]) : !two[i], "result %d depends on the number of threads", i);
    tg_threads(tg, 1);
}
/* A mean stays a mean, of constants and on the whole; the corners stay where align_corners says so. */
static void known_values(tg_ctx *tg) {
    static const float v[] = { 1, 2, 3, 4 }, linear[] = { 1, 1.25f, 1.75f, 2, 1.5f, 1.75f, 2.25f, 2.5f, 2.5f, 2.75f, 3.25f, 3.5f, 3, 3.25f, 3.75f, 4 }, nearest[] = { 1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4 };
    const int64_t one[3] = { 1, 1, 0 };
    tg_tensor *x = tg_from(tg, TG_SHAPE(1, 1, 2, 2), TG_F32, v), *y;
    CHECK(same(tg_interpolate(x, .mode = TG_INTERPOLATE_BILINEAR, .scale_factor = {2, 2}), tg_from(tg, TG_SHAPE(1, 1, 4, 4), TG_F32, linear)));
    CHECK(same(tg_interpolate(x, .scale_factor = {2, 2}), tg_from(tg, TG_SHAPE(1, 1, 4, 4), TG_F32, nearest)));
    y = tg_interpolate(x, .align_corners = true, .mode = TG_INTERPOLATE_BICUBIC, .size = {7, 5});
    CHECK(y && tg_get(y, TG__DIMS(0, 0, 0, 0)) == 1 && tg_get(y, TG__DIMS(0, 0, 6, 4)) == 4);
    CHECK(tg_item(resized(x, TG_INTERPOLATE_AREA, false, false, one)) == 2.5);
    CHECK(tg_item(resized(x, TG_INTERPOLATE_BILINEAR, true, false, one)) == 2.5);
    /* a NaN beside what is taken does not reach it */
    { const float w[] = { 1, NAN, 3, 4 }; y = tg_interpolate(tg_from(tg, TG_SHAPE(1, 1, 4), TG_F32, w), .size = {2}); CHECK(tg_get(y, TG__DIMS(0, 0, 1)) == 3); }
    /* the whole of x through the unit grid is x */
    { const float unit[] = { 1, 0, 0, 0, 1, 0 };
      x = tg_randn(tg, TG_SHAPE(1, 3, 5, 4));
      y = tg_affine_grid(tg_from(tg, TG_SHAPE(1, 2, 3), TG_F32, unit), TG_SHAPE(1, 3, 5, 4), false);
      CHECK(tg_allclose(tg_grid_sample(x, y), x, 1e-5, 1e-5)); CHECK(tg_allclose(tg_grid_sample(x, y, .mode = TG_GRID_BICUBIC, .padding = TG_GRID_REFLECTION), x, 1e-5, 1e-5)); }
}
static void refusals(tg_ctx *tg) {
    tg_tensor *x = tg_zeros(tg, TG_SHAPE(1, 2, 4, 4)), *line = tg_zeros(tg, TG_SHAPE(1, 2, 4)), *grid = tg_zeros(tg, TG_SHAPE(1, 3, 3, 2));
#define NO(...) CHECK_MSG(!(__VA_ARGS__) && tg_failed(tg), "%s is not refused", #__VA_ARGS__); tg_clear(tg)
    NO(tg_affine_grid(tg_zeros(tg, TG_SHAPE(1, 2, 3)), TG_SHAPE(1, 1, INT64_MAX, INT64_MAX), false));
    NO(tg_affine_grid(tg_zeros(tg, TG_SHAPE(1, 3, 4)), TG_SHAPE(1, 1, 1024, 1024, INT64_MAX / 4), true));
    NO(tg_interpolate(x)); NO(tg_interpolate(x, .size = {2})); NO(tg_interpolate(x, .size = {2, 2, 2})); NO(tg_interpolate(x, .scale_factor = {2})); NO(tg_interpolate(x, .size = {2, -2}));
    NO(tg_interpolate(x, .scale_factor = {2, 2}, .size = {8, 8})); NO(tg_interpolate(x, .scale_factor = {0.1, 2})); NO(tg_interpolate(x, .scale_factor = {NAN, 2})); NO(tg_interpolate(x, .scale_factor = {1e30, 2}));
    NO(tg_interpolate(x, .recompute_scale_factor = true, .size = {8, 8})); NO(tg_interpolate(x, .align_corners = true, .size = {8, 8})); NO(tg_interpolate(x, .antialias = true, .size = {8, 8}));
    NO(tg_interpolate(line, .mode = TG_INTERPOLATE_BILINEAR, .size = {8})); NO(tg_interpolate(x, .mode = TG_INTERPOLATE_LINEAR, .size = {8, 8})); NO(tg_interpolate(x, .mode = TG_INTERPOLATE_TRILINEAR, .size = {8, 8}));
    NO(tg_interpolate(tg_to(x, TG_I64), .size = {8, 8})); NO(tg_interpolate(tg_to(line, TG_U8), .mode = TG_INTERPOLATE_LINEAR, .size = {8})); NO(tg_interpolate(tg_zeros(tg, TG_SHAPE(1, 2, 0, 4)), .size = {8, 8}));
    NO(tg_interpolate(tg_zeros(tg, TG_SHAPE(2, 4)), .size = {8})); NO(tg_interpolate(x, .mode = (tg_interpolate_mode)9, .size = {8, 8}));
    NO(tg_grid_sample(x, tg_to(grid, TG_F64))); NO(tg_grid_sample(x, tg_zeros(tg, TG_SHAPE(2, 3, 3, 2)))); NO(tg_grid_sample(x, tg_zeros(tg, TG_SHAPE(1, 3, 3, 3)))); NO(tg_grid_sample(line, grid));
    NO(tg_grid_sample(tg_zeros(tg, TG_SHAPE(1, 2, 0, 4)), grid)); NO(tg_grid_sample(x, grid, .mode = (tg_grid_mode)3)); NO(tg_grid_sample(x, grid, .padding = (tg_grid_padding)3)); NO(tg_grid_sample(NULL, grid));
    NO(tg_affine_grid(x, TG_SHAPE(1, 2, 4, 4), false)); NO(tg_affine_grid(tg_zeros(tg, TG_SHAPE(1, 2, 3)), TG_SHAPE(2, 2, 4, 4), false)); NO(tg_affine_grid(tg_zeros(tg, TG_SHAPE(1, 2, 3)), TG_SHAPE(1, 2, 0, 4), false));
    NO(tg_affine_grid(tg_zeros(tg, TG_SHAPE(1, 2, 3)), TG_SHAPE(1, 2), false));
#undef NO
    CHECK(tg_interpolate(tg_zeros(tg, TG_SHAPE(0, 2, 4, 4)), .size = {8, 8}) != NULL);
    CHECK(tg_grid_sample(tg_zeros(tg, TG_SHAPE(0, 2, 4, 4)), tg_zeros(tg, TG_SHAPE(0, 3, 3, 2))) != NULL);
    CHECK_MSG(!tg_failed(tg), "%s", tg_error_text(tg));
}

/* Rows of each width end in a whole vector, a part of one or none, with each set of instructions. */
static void widths_agree(void) {
    int isa;
    for (isa = TG_ISA_PLAIN; isa <= TG_ISA_AVX512; isa++) {
        tg_config c = test_config(NULL);
        tg_ctx *tg;
        int64_t w;
        c.isa = (tg_isa)isa;
        if (!tg_isa_supported(c.isa) || !CHECK((tg = tg_open(&c)) != NULL)) continue;
        for (w = 1; w <= 40; w++) {
            tg_tensor *y = tg_interpolate(tg_ones(tg, TG_SHAPE(1, 2, 3, w)), .scale_factor = { 2, 1 }, .mode = TG_INTERPOLATE_BILINEAR);
            CHECK_MSG(y && tg_allclose(y, tg_ones_like(y), 1e-6, 0), "rows of %d, instructions %d", (int)w, isa);
        }
        CHECK_OK(tg);
        tg_close(tg);
    }
}

int main(void) {
    tg_ctx *tg = test_open();
    widths_agree();
    boxes_are_means(tg);
    nms_keeps_the_best(tg);
    layouts_agree(tg);
    threads_agree(tg);
    known_values(tg);
    refusals(tg);
    tg_close(tg);
    return test_end("resample");
}
