/* tensorgrad_cuda.h on the driver of the test's own (cuda_fake.c), whose libraries lie in the folder that is the first argument; test_cuda.sh builds and runs it.
   With `gpu` instead of a folder: the operations alone, on a real GPU; with `card`: what else there is, there; with `times`: how long a few of them take there; with `watch`: kernels whose
   threads share something, on the driver that looks for barriers that are missing.
   Every operation and optimiser, forward and backward, gives the CPU's bits. The CPU's kernels are the plain ones in strict mode, which round as a fused multiply-add does. Then memory,
   errors in values, each call of the driver and of NVRTC failing in turn, missing libraries; copies that nobody waits for, on streams that are as late as may be; programs on disk; the
   host's own memory, stream and context. */
#include "test.h"
#include <math.h>
#include <time.h>
#include <dirent.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "../tensorgrad_cuda.h"
#include "op_list.h"
#include "cuda_fake.h"
#include "small_models.h"

#define OTHER TG_CUDA
static tg_ctx *tg;
/* To the bit, but for those of a NaN, which are the processor's. */
static bool same_but_nan(tg_tensor *a, tg_tensor *b) {
    int64_t i;
    if (same(a, b)) return true;
    if (!a || !b || a->dtype != b->dtype || a->numel != b->numel || a->ndim != b->ndim || !tg_dtype_is_float(a->dtype)) return false;
    for (i = 0; i < a->numel; i++) {
        const size_t size = tg_dtype_size(a->dtype);
        const char *x = (const char *)a->data + (size_t)i * size, *y = (const char *)b->data + (size_t)i * size;
        if (memcmp(x, y, size) != 0 && !(tg__is_nan(tg__get_f64(x, a->dtype)) && tg__is_nan(tg__get_f64(y, a->dtype)))) return false;
    }
    return true;
}
/* Some families add up in an order of their own: so far apart may results be, of the largest of them. */
static double farthest[4];
static bool near_enough(tg_tensor *a, tg_tensor *b, const char *what) {
    static const char *const families[] = { "norm_", "conv", "attended", "resized_", NULL };
    static const double most[4] = { 3e-6, 3e-14, 2e-3, 1.6e-2 };               /* f32, f64, f16, bf16 */
    double top = 0, off = 0;
    int64_t i;
    for (i = 0; families[i] && strncmp(what, families[i], strlen(families[i])) != 0; i++) { }
    if (!families[i] || !a || !b || a->dtype != b->dtype || a->numel != b->numel || !tg_dtype_is_float(a->dtype)) return false;
    for (i = 0; i < a->numel; i++) {
        const size_t size = tg_dtype_size(a->dtype);
        const double x = tg__get_f64((const char *)a->data + (size_t)i * size, a->dtype), y = tg__get_f64((const char *)b->data + (size_t)i * size, b->dtype);
        if ((x != x) != (y != y)) return false;
        if (x != x) continue;
        if (fabs(x) > top) top = fabs(x);
        if (x == y) continue;
        if (!(fabs(x - y) <= off)) off = fabs(x - y);
    }
    if (off / top > farthest[a->dtype]) farthest[a->dtype] = off / top;
    if (off <= most[a->dtype] * top) return true;
    printf("%s: %g of %g\n", what, off, top);
    return false;
}
#define NEAR near_enough
#define SAME same_but_nan
#include "device_ops.h"

/* Larger operands of all types, as they are and turned, forward and back. */
#define OP(record, f, operands) { record, #f, f, operands },
static tg_tensor *conv_depthwise(tg_tensor *const *x, int n) { return tg_conv2d(x[0], x[1], n > 2 ? x[2] : NULL, .stride = {2, 1}, .padding = {1, 1}, .groups = x[0]->shape[1]); }
/* strides and dilations with and without a common divisor, more of the stride than of the filter */
static tg_tensor *conv_steps(tg_tensor *const *x, int n) { return tg_conv2d(x[0], x[1], n > 2 ? x[2] : NULL, .stride = {2, 3}, .padding = {1, 2}); }
static tg_tensor *conv_sparse_steps(tg_tensor *const *x, int n) { return tg_conv2d(x[0], x[1], n > 2 ? x[2] : NULL, .stride = {4, 6}, .padding = {3, 1}, .dilation = {2, 4}, .groups = 2); }
static tg_tensor *conv_back_steps(tg_tensor *const *x, int n) { return tg_conv_transpose2d(x[0], x[1], n > 2 ? x[2] : NULL, .stride = {3, 2}, .padding = {1, 0}, .output_padding = {2, 1}, .groups = 2); }
static tg_tensor *conv_deep_steps(tg_tensor *const *x, int n) { return tg_conv3d(x[0], x[1], n > 2 ? x[2] : NULL, .stride = {2, 3, 2}, .padding = {1, 0, 1}); }
static tg_tensor *attended_seen(tg_tensor *const *x, int n) {              /* some queries see no key */
    tg_tensor *q = tg_detach(tg_narrow(x[0], 3, 0, 1)), *k = tg_detach(tg_narrow(x[1], 3, 0, 1));
    (void)n;
    return tg_scaled_dot_product_attention(x[0], x[1], x[2], .attn_mask = tg_gt_scalar(tg_add(q, tg_transpose(k, 2, 3)), 2));
}
static tg_tensor *attended_dropped(tg_tensor *const *x, int n) {
    tg_random_state s = tg_random_get(tg);
    tg_tensor *y = tg_scaled_dot_product_attention(x[0], x[1], x[2], .dropout_p = 0.3);
    (void)n;
    tg_random_set(tg, s);                                                      /* the same here and there */
    return y;
}
/* Grids reach far outside, some places are no numbers; boxes of all pictures, turned, outside, of no size. Both want the CPU's bits. */
static tg_tensor *odd_grid(tg_tensor *const *x) { return tg_where(tg_gt_scalar(tg_detach(x[1]), 2.2), tg_full_like(x[1], NAN), tg_where(tg_lt_scalar(tg_detach(x[1]), -2.2), tg_full_like(x[1], -1e30), x[1])); }
static tg_tensor *sampled_zeros(tg_tensor *const *x, int n) { (void)n; return tg_grid_sample(x[0], odd_grid(x)); }
static tg_tensor *sampled_edges(tg_tensor *const *x, int n) { (void)n; return tg_grid_sample(x[0], x[1], .mode = TG_GRID_BILINEAR, .padding = TG_GRID_BORDER, .align_corners = true); }
static tg_tensor *sampled_mirror(tg_tensor *const *x, int n) { (void)n; return tg_grid_sample(x[0], odd_grid(x), .padding = TG_GRID_REFLECTION); }
static tg_tensor *sampled_cubic(tg_tensor *const *x, int n) { (void)n; return tg_grid_sample(x[0], odd_grid(x), .mode = TG_GRID_BICUBIC, .padding = TG_GRID_ZEROS); }
static tg_tensor *sampled_cubic_mirror(tg_tensor *const *x, int n) { (void)n; return tg_grid_sample(x[0], x[1], .mode = TG_GRID_BICUBIC, .padding = TG_GRID_REFLECTION, .align_corners = true); }
static tg_tensor *sampled_next(tg_tensor *const *x, int n) { (void)n; return tg_grid_sample(x[0], odd_grid(x), .mode = TG_GRID_NEAREST, .padding = TG_GRID_REFLECTION); }
static tg_tensor *sampled_one(tg_tensor *const *x, int n) { (void)n; return tg_grid_sample(x[0], tg_mul_scalar(x[1], 0.01), .padding = TG_GRID_BORDER); }      /* all at a few elements */
static tg_tensor *boxes_of(tg_tensor *const *x) {                             /* whose picture, then corners around the picture, those of every third box further apart */
    tg_tensor *b = tg_detach(x[1]), *picture = tg_remainder_scalar(tg_floor(tg_abs(tg_mul_scalar(tg_slice(b, ":, 0:1"), 16))), (double)x[0]->shape[0]), *both[2];
    both[0] = picture; both[1] = tg_add_scalar(tg_mul_scalar(tg_slice(b, ":, 1:5"), (double)x[0]->shape[3] * 0.5), (double)x[0]->shape[2] * 0.4);
    return tg_cat(both, 2, 1);
}
static tg_tensor *boxes_aligned(tg_tensor *const *x, int n) { (void)n; return tg_roi_align(x[0], boxes_of(x), .output_size = {3, 5}, .aligned = true, .sampling_ratio = 2); }
static tg_tensor *boxes_adaptive(tg_tensor *const *x, int n) { (void)n; return tg_roi_align(x[0], boxes_of(x), .output_size = {2, 3}, .spatial_scale = TG_IS(1.25)); }
static tg_tensor *boxes_wide(tg_tensor *const *x, int n) { (void)n; return tg_roi_align(x[0], tg_mul_scalar(boxes_of(x), 1), .output_size = {1, 2}, .aligned = true, .spatial_scale = TG_IS(30)); }
static const op_case larger[] = {
    OP("layer_norm", norm_layer, "70 300;300;300|3 9000;9000;9000|300 7;7;7|2 30000;30000")
    OP("layer_norm", norm_layers, "5 40 30;40 30|9 2 3")
    OP("rms_norm", norm_rms, "70 300;300|3 20000;20000")
    OP("group_norm", norm_groups, "3 8 20 20;8;8")
    OP("batch_norm", norm_batch, "16 3 30 30;3;3|500 7;7;7")
    OP("instance_norm", norm_instance, "3 4 30 30;4;4")
    OP("conv2d", conv, "2 3 20 17;70 3 3 3;70|3 20 9 9;5 20 2 3") OP("conv2d", conv_strided, "2 5 15 16;9 5 3 2;9") OP("conv2d", conv_dilated, "2 24 15 14;24 12 3 3;24") OP("conv2d", conv_same, "1 3 12 11;6 3 3 3")
    OP("conv2d", conv_steps, "2 4 17 16;6 4 3 5;6|1 3 9 10;2 3 1 1;2|2 8 23 21;70 8 4 3;70") OP("conv2d", conv_sparse_steps, "2 4 21 25;6 2 3 4;6|1 4 13 19;8 2 2 5;8") OP("conv_transpose2d", conv_back_steps, "2 4 6 5;4 3 5 3;6|1 6 4 4;6 35 2 1;70")
    OP("conv3d", conv_deep_steps, "1 3 7 8 9;6 3 3 2 4;6")
    OP("conv1d", conv_line, "2 3 2000;6 3 5;6|2 130 40;8 130 9") OP("conv1d", conv_line_same, "2 8 50;12 4 4;12") OP("conv2d", conv_depthwise, "2 6 30 31;6 1 3 3;6")
    OP("conv3d", conv_deep, "2 3 5 9 8;6 3 2 3 2;6") OP("conv_transpose1d", conv_back_line, "2 8 50;8 6 4;6") OP("conv_transpose2d", conv_back, "2 8 9 8;8 3 3 2;6") OP("conv_transpose3d", conv_back_deep, "2 6 3 5 4;6 5 2 3 2;5")
    OP("attention", attended, "2 3 70 20;2 3 90 20;2 3 90 24|1 2 5 140;1 2 40 140;1 2 40 150") OP("attention", attended_causal, "2 2 70 16;2 2 70 16;2 2 70 16|1 1 40 8;1 1 70 8;1 1 70 8|1 1 70 8;1 1 40 8;1 1 40 8")
    OP("attention", attended_groups, "1 6 40 16;1 2 50 16;1 2 50 16|2 4 1 16;2 2 520 16;2 2 520 24") OP("attention", attended_masked, "2 2 40 16;2 2 50 16;2 2 50 16;2 1 40 50|2 2 1 16;2 2 300 16;2 2 300 16;2 1 1 300")
    OP("attention", attended, "2 3 1 64;2 3 600 64;2 3 600 72|1 2 1 21;1 2 257 21;1 2 257 200|1 1 1 256;1 1 3 256;1 1 3 1|1 1 1 260;1 1 9 260;1 1 9 8") OP("attention", attended_seen, "2 2 1 16;2 2 530 16;2 2 530 16") OP("attention", attended_seen, "2 2 40 16;2 2 50 16;2 2 50 16") OP("attention", attended_dropped, "2 2 40 16;2 2 50 16;2 2 50 16")
    OP("resample", resized_bilinear, "2 3 17 19") OP("resample", resized_bicubic, "2 3 17 19") OP("resample", resized_smooth, "2 3 17 19") OP("resample", resized_area, "1 2 5 9 8") OP("resample", resized_nearest, "2 3 17 19") OP("resample", resized_line, "3 4 30")
    OP("grid_sample", sampled_zeros, "3 11 13 9;3 17 14 2|2 2 4 5 6;2 3 7 8 3") OP("grid_sample", sampled_edges, "2 9 7 12;2 16 5 2|2 3 3 4 5;2 4 6 5 3") OP("grid_sample", sampled_mirror, "2 5 7 6;2 9 8 2|1 2 3 2 5;1 4 5 6 3")
    OP("grid_sample", sampled_cubic, "2 5 9 8;2 11 7 2|1 2 4 5 3;1 3 4 5 3") OP("grid_sample", sampled_cubic_mirror, "2 6 9 8;2 11 7 2|1 1 6 5 4;1 2 3 5 3") OP("grid_sample", sampled_next, "2 6 9 8;2 11 7 2|2 3 3 4 5;2 4 6 5 3")
    OP("grid_sample", sampled_one, "2 7 20 21;2 40 30 2|1 1 1 1;1 3 3 2")
    OP("roi_align", boxes_aligned, "3 11 15 12;40 5|1 1 3 3;3 5") OP("roi_align", boxes_adaptive, "3 11 12 15;40 5") OP("roi_align", boxes_wide, "2 9 8 9;9 5")
    OP("max_pool", pool_largest, "3 4 19 23|2 5 17") OP("max_pool", pool_largest_wide, "3 4 17") OP("max_pool", pool_largest_to_size, "2 3 11 17") OP("max_pool_places", pool_places, "2 3 11 17")
    OP("avg_pool", pool_mean, "2 3 14 15") OP("avg_pool", pool_mean_deep, "2 3 6 7 8") OP("avg_pool", pool_to_size, "2 3 11 17")
};
static tg_ctx *open_loose(const char *where, bool tf32, bool own);      /* own: without cuBLASLt and cuDNN */
/* For matrix units: rows and keys around 128 and 64, heads that are and are no multiples of 16 or 8, of 128 columns, of more; masks that want no gradient, of bytes and of numbers. */
static tg_tensor *attended_dropped_groups(tg_tensor *const *x, int n) {
    tg_random_state s = tg_random_get(tg);
    tg_tensor *y = tg_scaled_dot_product_attention(x[0], x[1], x[2], .dropout_p = 0.4, .is_causal = true, .enable_gqa = true);
    (void)n;
    tg_random_set(tg, s);
    return y;
}
static tg_tensor *slopes_of(tg_tensor *const *x, tg_dtype dtype) {           /* [Tq, Tk], some -inf, of the queries and keys themselves: the same here and there */
    tg_tensor *q = tg_detach(tg_narrow(x[0], 3, 0, 1)), *k = tg_detach(tg_narrow(x[1], 3, 0, 1)), *m = tg_sub(q, tg_transpose(k, 2, 3));
    return tg_to(tg_where(tg_gt_scalar(m, 1.5), tg_to_device(tg_full(tg, TG_SHAPE(1), -INFINITY, m->dtype), m->device), m), dtype);
}
static tg_tensor *attended_slopes(tg_tensor *const *x, int n) { (void)n; return tg_scaled_dot_product_attention(x[0], x[1], x[2], .attn_mask = slopes_of(x, x[0]->dtype)); }
static tg_tensor *attended_slopes_f32(tg_tensor *const *x, int n) { (void)n; return tg_scaled_dot_product_attention(x[0], x[1], x[2], .attn_mask = slopes_of(x, TG_F32), .dropout_p = 1); }
static tg_tensor *attended_slopes_wide(tg_tensor *const *x, int n) { (void)n; return tg_scaled_dot_product_attention(x[0], x[1], x[2], .attn_mask = slopes_of(x, TG_F32), .scale = TG_IS(0.9)); }
static tg_tensor *attended_columns(tg_tensor *const *x, int n) {           /* columns of a wider tensor: rows of 16 bytes that do not follow one another; and rows in another order of dimensions, as of one projection */
    (void)n;
    return tg_scaled_dot_product_attention(tg_transpose(tg_narrow(x[0], 3, 8, x[0]->shape[3] - 8), 1, 2), tg_transpose(tg_narrow(x[1], 3, 8, x[1]->shape[3] - 8), 1, 2), tg_transpose(tg_narrow(x[2], 3, 8, x[2]->shape[3] - 8), 1, 2), .is_causal = true);
}
static const op_case matrices[] = {
    OP("attention", attended, "2 3 70 20;2 3 90 20;2 3 90 24|1 2 5 128;1 2 140 128;1 2 140 100|1 1 300 64;1 1 200 64;1 1 200 64|1 1 1 32;1 1 40 32;1 1 40 32|1 2 129 1;1 2 65 1;1 2 65 3|1 1 128 72;1 1 64 72;1 1 64 136")
    OP("attention", attended_causal, "1 2 260 64;1 2 260 64;1 2 260 64|1 1 40 8;1 1 270 8;1 1 270 8|1 1 270 80;1 1 140 80;1 1 140 80|1 1 150 128;1 1 150 128;1 1 150 128|1 1 3 16;1 1 200 16;1 1 200 16")
    OP("attention", attended_groups, "1 6 140 16;1 2 150 16;1 2 150 16|2 4 20 40;2 1 70 40;2 1 70 40") OP("attention", attended_seen, "2 2 140 16;2 2 150 16;2 2 150 16|1 1 33 96;1 1 47 96;1 1 47 96")
    OP("attention", attended_slopes, "1 2 140 16;1 2 150 16;1 2 150 16") OP("attention", attended_slopes_wide, "1 2 140 24;1 2 150 24;1 2 150 24") OP("attention", attended_slopes_f32, "1 2 14 24;1 2 15 24;1 2 15 24")
    OP("attention", attended_dropped, "2 2 40 16;2 2 50 16;2 2 50 16|1 2 131 64;1 2 77 64;1 2 77 64|1 1 130 112;1 1 67 112;1 1 67 128") OP("attention", attended_dropped_groups, "1 4 133 32;1 2 135 32;1 2 135 48")
    OP("attention", attended_columns, "1 70 3 40;1 90 3 40;1 90 3 32")
};
#undef OP
static const tg_dtype floats_here[] = { TG_F32, TG_F64, TG_F16, TG_BF16 };
static void ops_of(const op_case *list, size_t n_list, const tg_dtype *floats, size_t n_floats) {
    size_t i, k;
    int view;
    for (i = 0; i < n_list; i++) for (k = 0; k < n_floats; k++) for (view = 0; view < 2; view++) {
        const char *at = list[i].operands;
        while (*at) {
            tg_mark m = tg_begin(tg);
            tg_tensor *x[4];
            op_job j;
            device_task w;
            char what[160];
            int n = 0;
            memset(&j, 0, sizeof j); memset(&w, 0, sizeof w);
            j.c = &list[i]; w.j = &j;
            snprintf(what, sizeof what, "%s of '%.*s', %s, view %d", list[i].called, (int)strcspn(at, "|"), at, tg_dtype_name(floats[k]), view);
            for (;;) {
                int64_t shape[TG_MAX_DIMS];
                int ndim = 0, d;
                while (*at && *at != ';' && *at != '|') { shape[ndim++] = strtol(at, (char **)&at, 10); while (*at == ' ') at++; }
                for (d = 0; view && d < ndim / 2; d++) { const int64_t swap = shape[d]; shape[d] = shape[ndim - 1 - d]; shape[ndim - 1 - d] = swap; }
                j.view[n] = (char)view;
                x[n++] = tg_to(tg_randn(tg, ndim, shape), floats[k]);
                if (*at++ != ';') break;
            }
            if (at[-1] == 0) at--;
            compare(&w, x, n, what);
            tg_end(tg, m);
        }
    }
    printf("the farthest of those that may differ: f32 %.1e, f64 %.1e, f16 %.1e, bf16 %.1e\n", farthest[0], farthest[1], farthest[2], farthest[3]);
}
static void large_ops(void) { ops_of(larger, sizeof larger / sizeof *larger, floats_here, 4); }
/* Was a kernel of that name compiled in this context? */
static bool has_kernel(tg_ctx *t, const char *name) {
    const tg__cu *s = tg__cu_of(t);
    const tg__cu_program *p;
    int i;
    for (i = 0; i < TG__CU_HASH; i++) for (p = s->programs[i]; p; p = p->next) if (strcmp(p->name, name) == 0) return true;
    return false;
}
/* Halves by matrix units where nobody is strict: near the CPU, which sums in f32 too; f32, strict contexts and older GPUs do without. */
static void matrix_ops(const char *where) {
    static const char *const names[] = { "tg__cu_attend_matrix_f32", "tg__cu_attend_matrix_dq_f32", "tg__cu_attend_matrix_dk_f32", "tg__cu_attend_matrix_dv_f32" };
    tg_ctx *t;
    int i, round;
    for (round = 0; round < 2; round++) {                                    /* f32 alone; halves */
        tg = t = open_loose(where, false, false);
        ops_of(round ? matrices : matrices + 2, round ? sizeof matrices / sizeof *matrices : 1, floats_here + 2 * round, round ? 2 : 1);
        for (i = 0; i < 4; i++) CHECK_MSG(has_kernel(t, names[i]) == (round == 1 && tg__cu_of(t)->arch >= 80), "round %d: %s", round, names[i]);
        test_close(t);
    }
}

static const char *folder;
static fake_state *driver, *compiler, *blas, *dnn;

static int lines, cannot_keep, own_products, own_convolutions, refused_convolutions;
static char last_line[256];
static long long (*waiting)(void);                                             /* the fake driver's work that is not done yet */
static void log_hook(void *user, tg_log_level level, const char *text) {
    (void)user;
    if (strstr(text, "cannot keep its programs")) cannot_keep++;
    if (strstr(text, "makes products by its own kernels")) { own_products++; snprintf(last_line, sizeof last_line, "%s", text); }
    if (strstr(text, "makes convolutions by its own kernels")) { own_convolutions++; snprintf(last_line, sizeof last_line, "%s", text); }
    if (!driver && strstr(text, "by its own kernels")) puts(text);             /* on a card: which library is missing, or what it refuses */
    if (strstr(text, "that cuDNN refuses")) { refused_convolutions++; snprintf(last_line, sizeof last_line, "%s", text); }
    if (level == TG_LOG_INFO && strstr(text, "leaves the family")) { lines++; puts(text); snprintf(last_line, sizeof last_line, "%s", text); }
}
static tg_ctx *open_strict(void) {
    tg_config c;
    tg_ctx *t;
    memset(&c, 0, sizeof c);
    c.strict = true; c.hooks.log = log_hook;
    t = tg_open(&c);
    CHECK(t != NULL);
    return t;
}
/* nothing of the driver's is left */
static void nothing_left(const char *what) {
    CHECK_MSG(driver->left == 0 || strcmp(what, "cuCtxPushCurrent") == 0, "%s: %d blocks, modules and streams were left", what, driver->left);       /* nothing can be returned where no context can be made current */
    CHECK_MSG(driver->retained == 0 && driver->current == 0 && driver->streams == 0 && driver->modules == 0, "%s: %d retained, %d current, %d streams, %d modules", what, driver->retained, driver->current, driver->streams, driver->modules);
    CHECK_MSG(driver->wrong == 0, "%s: %d calls without the context", what, driver->wrong);
    CHECK_MSG(compiler->programs == 0, "%s: %d programs", what, compiler->programs);
    CHECK_MSG((blas->handles == 0 && blas->layouts == 0) || strcmp(what, "cuCtxPushCurrent") == 0, "%s: %d handles, %d descriptors of cuBLASLt", what, blas->handles, blas->layouts);
    CHECK_MSG((dnn->handles == 0 && dnn->layouts == 0 && dnn->wrong == 0) || strcmp(what, "cuCtxPushCurrent") == 0, "%s: %d handles, %d descriptors of cuDNN, %d taken for others", what, dnn->handles, dnn->layouts, dnn->wrong);
}

/* What all_ops has not: long reductions, long products, large indices, every dtype; here and there, to the bit. */
#define BOTH(expression) do { tg_tensor *x = cx, *y = cy, *z = cz, *here, *there; here = (expression); x = dx; y = dy; z = dz; there = (expression); (void)x; (void)y; (void)z; \
    CHECK_MSG(here && there && there->device == OTHER && SAME(tg_contiguous(here), home(there)), "%s: other bits on the device: %s", #expression, tg_error_text(tg)); tg_clear(tg); } while (0)
/* Sorts and scans, rows short and long, lying along and across, with their places; ties, NaN, infinities and both zeros among them. */
static void orders(tg_tensor *cx, tg_tensor *cy, tg_tensor *cz) {
    static const double odd[4] = { NAN, INFINITY, -0.0, 0 };
    tg_tensor *dx, *dy, *dz, *p;
    const bool floats = tg_dtype_is_float(cx->dtype), exact = !floats || cx->dtype != TG_F64;
    int i;
    cz = tg_reshape(cz, TG_SHAPE(-1));
    cz = tg_slice(cz, "0:15000");
    for (i = 0; i < 4 && floats; i++) cx = tg_where(tg_lt_scalar(tg_rand_like(tg_to(cx, TG_F32)), 0.01), tg_to(tg_full(tg, TG_SHAPE(1), odd[i], TG_F32), cx->dtype), cx);
    dx = tg_to_device(cx, OTHER); dy = tg_to_device(cy, OTHER); dz = tg_to_device(cz, OTHER);
    CHECK_OK(tg);
    for (i = 0; i < 2; i++) {
        BOTH(tg_sort(x, 1, i, NULL)); BOTH((tg_sort(x, 1, i, &p), p)); BOTH((tg_sort(x, 0, i, &p), p)); BOTH((tg_sort(tg_slice(x, ":, 0:7"), 1, i, &p), p)); BOTH(tg_sort(z, 0, i, NULL)); BOTH((tg_sort(z, 0, i, &p), p));
        BOTH(tg_topk(x, 9, 1, i, NULL)); BOTH((tg_topk(x, 9, 0, i, &p), p)); BOTH(tg_topk(z, 2000, 0, i, NULL)); BOTH((tg_topk(z, 3, 0, i, &p), p));
        BOTH((tg_topk(x, 256, 1, i, &p), p)); BOTH((tg_topk(z, 256, 0, i, &p), p)); BOTH((tg_topk(z, 257, 0, i, &p), p)); BOTH((tg_topk(tg_slice(z, "::2"), 1, 0, i, &p), p)); BOTH(tg_topk(tg_reshape(z, TG_SHAPE(5, 3000)), 17, 1, i, NULL)); BOTH((tg_topk(tg_t(tg_reshape(z, TG_SHAPE(3000, 5))), 17, 1, i, &p), p));
        BOTH((tg_kthvalue(z, 1 + 200 * i, 0, true, &p), p)); BOTH(tg_kthvalue(x, 3 + i, 1, false, NULL));
    }
    BOTH(tg_searchsorted(tg_sort(z, 0, false, NULL), x)); BOTH(tg_searchsorted(tg_sort(x, 1, false, NULL), tg_slice(x, ":, 3:20"), .right = true, .int32 = true));
    if (cx->dtype == TG_BOOL) return;
    BOTH(tg_cummax(x, 1, NULL)); BOTH((tg_cummax(x, 1, &p), p)); BOTH((tg_cummin(x, 0, &p), p)); BOTH((tg_cummax(z, 0, &p), p)); BOTH(tg_cummin(z, 0, NULL));
    BOTH(tg_cumsum(x, 0)); BOTH(tg_cumsum(y, 0)); BOTH(tg_cumsum(y, 1)); BOTH(tg_cumprod(x, 0)); BOTH(tg_cumsum(tg_slice(x, ":, 0:290"), 1));
    if (exact) { BOTH(tg_cumsum(z, 0)); BOTH(tg_cumsum(tg_reshape(z, TG_SHAPE(5, 3000)), 1)); }        /* pieces of long rows are carried in double */
}
/* Pictures of bytes: by whole numbers and by elements that move, as they lie, with the channels within, every other one. */
static void resized_bytes(tg_tensor *z) {
    tg_tensor *cx = tg_reshape(z, TG_SHAPE(2, 3, 50, 50)), *cy = tg_permute(tg_reshape(z, TG_SHAPE(2, 50, 50, 3)), TG_DIMS(0, 3, 1, 2)), *cz = tg_slice(cx, ":, :, ::2, 3::3"), *dx = tg_to_device(cx, OTHER), *dy = tg_permute(tg_to_device(tg_reshape(z, TG_SHAPE(2, 50, 50, 3)), OTHER), TG_DIMS(0, 3, 1, 2)), *dz = tg_slice(dx, ":, :, ::2, 3::3");
    for (int i = 0; i < 4; i++) {
        const tg_interpolate_mode mode = i % 2 ? TG_INTERPOLATE_BICUBIC : TG_INTERPOLATE_BILINEAR;
        BOTH(tg_interpolate(x, .size = {77, 31}, .mode = mode, .antialias = i > 1)); BOTH(tg_interpolate(y, .size = {21, 60}, .mode = mode, .antialias = i > 1)); BOTH(tg_interpolate(z, .size = {50, 3}, .mode = mode, .antialias = i > 1)); BOTH(tg_interpolate(z, .size = {25, 16}, .mode = mode, .antialias = i > 1));
        if (i < 2) { BOTH(tg_interpolate(x, .size = {60, 70}, .mode = mode, .align_corners = true)); BOTH(tg_interpolate(y, .scale_factor = {0.37, 1.9}, .mode = i ? TG_INTERPOLATE_NEAREST : TG_INTERPOLATE_NEAREST_EXACT)); BOTH(tg_interpolate(tg_reshape(z, TG_SHAPE(2, 3, 25, 4, 4)), .size = {30, 3, 9}, .mode = i ? TG_INTERPOLATE_NEAREST : TG_INTERPOLATE_NEAREST_EXACT)); }
    }
    /* elements that move keep their bits, a zero's sign too */
    cx = tg_neg(tg_zeros_like(tg_to(cx, TG_BF16))); dx = tg_to_device(cx, OTHER); BOTH(tg_interpolate(x, .size = {7, 90})); cx = tg_to(cx, TG_F64); dx = tg_to_device(cx, OTHER); BOTH(tg_interpolate(x, .size = {7, 90}));
}
/* Block-quantised weights: written and read, rows of them, products of one row, a few and many, of long and of short rows. */
static void in_blocks(void) {
    static const tg_dtype blocks[] = { TG_Q8_0, TG_Q4_0 }, floats[] = { TG_F32, TG_F16, TG_BF16, TG_F64 };
    for (int i = 0; i < 2; i++) for (int k = 0; k < 4; k++) {
        tg_mark m = tg_begin(tg);
        tg_tensor *cx = tg_to(tg_randn(tg, TG_SHAPE(70, 1120)), floats[k]), *cy = tg_to(tg_mul_scalar(tg_randn(tg, TG_SHAPE(40, 1120)), 0.3), floats[k]), *cz = tg_to(tg_randn(tg, TG_SHAPE(40)), floats[k]), *dx, *dy, *dz;
        cy = tg_where(tg_lt_scalar(tg_reshape(tg_arange(tg, 0, 40, 1, TG_F32), TG_SHAPE(40, 1)), 1), tg_zeros_like(cy), cy);       /* a row of nothing but zeros */
        dx = tg_to_device(cx, OTHER); dy = tg_to_device(cy, OTHER); dz = tg_to_device(cz, OTHER);
        BOTH(tg_to(tg_to(y, blocks[i]), floats[k])); BOTH(tg_to(tg_to(tg_slice(y, ":, 32:96"), blocks[i]), TG_F32)); BOTH(tg_to(tg_clone(tg_to(y, blocks[i])), TG_BF16));
        cy = tg_to(cy, blocks[i]); dy = tg_to(dy, blocks[i]);
        CHECK(SAME(tg_to(cy, TG_F32), tg_to(tg_to_device(dy, TG_CPU), TG_F32)));
        dy = tg_to_device(cy, OTHER);
        BOTH(tg_linear(x, y, z)); BOTH(tg_linear(x, y, NULL)); BOTH(tg_linear(tg_slice(x, "0"), y, z)); BOTH(tg_linear(tg_slice(x, "0:3"), y, z)); BOTH(tg_linear(tg_slice(x, "0:4"), y, NULL)); BOTH(tg_linear(tg_slice(x, "0:5"), y, NULL));
        BOTH(tg_linear(tg_reshape(tg_slice(x, "0:16"), TG_SHAPE(2, 8, 1120)), y, z)); BOTH(tg_linear(tg_t(tg_contiguous(tg_t(x))), y, z));
        BOTH(tg_embedding(tg_remainder_scalar(tg_to(tg_abs(tg_mul_scalar(z, 20)), TG_I64), 40), y));
        cy = tg_to(tg_to(tg_mul_scalar(tg_slice(cx, "0:9, 0:32"), 4), TG_F32), blocks[i]); dy = tg_to_device(cy, OTHER); cz = tg_slice(cz, "0:9"); dz = tg_slice(dz, "0:9");
        BOTH(tg_linear(tg_slice(x, ":, 0:32"), y, z)); BOTH(tg_linear(tg_slice(x, "0:2, 0:32"), y, z)); BOTH(tg_linear(tg_slice(x, "0, 32:64"), y, NULL));
        tg_end(tg, m);
    }
}
static void sizes(void) {
    static const tg_dtype floats[] = { TG_F32, TG_F64, TG_F16, TG_BF16 }, wholes[] = { TG_I64, TG_I32, TG_I16, TG_I8, TG_U8, TG_BOOL };
    size_t i, k;
    for (i = 0; i < 4; i++) {
        tg_mark m = tg_begin(tg);
        tg_tensor *cx = tg_to(tg_randn(tg, TG_SHAPE(70, 1100)), floats[i]), *cy = tg_to(tg_randn(tg, TG_SHAPE(1100, 33)), floats[i]), *cz = tg_to(tg_randn(tg, TG_SHAPE(40000)), floats[i]);
        tg_tensor *dx = tg_to_device(cx, OTHER), *dy = tg_to_device(cy, OTHER), *dz = tg_to_device(cz, OTHER);
        BOTH(tg_sum(x)); BOTH(tg_mean(z)); BOTH(tg_prod(tg_add_scalar(tg_mul_scalar(z, 0.001), 1))); BOTH(tg_amax(z)); BOTH(tg_argmin(z));
        BOTH(tg_sum_dims(x, TG_DIMS(0), false)); BOTH(tg_sum_dims(x, TG_DIMS(1), true)); BOTH(tg_sum_dims(y, TG_DIMS(0), false)); BOTH(tg_amax_dims(y, TG_DIMS(0), false)); BOTH(tg_sum_dims(tg_t(x), TG_DIMS(0), false));
        BOTH(tg_sum_dims(tg_reshape(z, TG_SHAPE(8, 5, 1000)), TG_DIMS(0, 2), false)); BOTH(tg_mean_dims(tg_reshape(z, TG_SHAPE(10000, 4)), TG_DIMS(1), false)); BOTH(tg_argmax_dim(x, 1, false)); BOTH(tg_argmax_dim(y, 0, false));
        BOTH(tg_matmul(x, y)); BOTH(tg_matmul(tg_t(y), tg_t(x))); BOTH(tg_matmul(tg_slice(x, "0:1"), y)); BOTH(tg_matmul(x, tg_slice(y, ":, 0:1"))); BOTH(tg_matmul(z, z)); BOTH(tg_matmul(tg_slice(x, "0:3, 0:200"), tg_slice(y, "0:200, 0:4")));
        BOTH(tg_matmul(tg_reshape(tg_slice(z, "0:24000"), TG_SHAPE(6, 40, 100)), tg_reshape(tg_slice(z, "0:18000"), TG_SHAPE(6, 100, 30))));
        BOTH(tg_linear(x, tg_contiguous(tg_t(y)), tg_slice(z, "0:33"))); BOTH(tg_softmax(x, 1)); BOTH(tg_log_softmax(y, 0)); BOTH(tg_softmax(tg_reshape(z, TG_SHAPE(10000, 4)), 1));
        for (k = 0; k < 4; k++) { BOTH(tg_to(x, floats[k])); BOTH(tg_to(tg_t(y), floats[k])); }
        orders(cx, cy, cz);
        for (k = 0; k < 6; k++) { BOTH(tg_to(tg_mul_scalar(x, 100), wholes[k])); BOTH(tg_to(tg_to(tg_mul_scalar(x, 3), wholes[k]), floats[i])); }
        tg_end(tg, m);
    }
    for (i = 0; i < 6; i++) {
        tg_mark m = tg_begin(tg);
        tg_tensor *cx = tg_to(tg_mul_scalar(tg_randn(tg, TG_SHAPE(70, 300)), 20), wholes[i]), *cy = tg_to(tg_randint(tg, 0, 70, TG_SHAPE(5000)), TG_I64), *cz = tg_to(tg_mul_scalar(tg_randn(tg, TG_SHAPE(5000, 3)), 20), wholes[i]);
        tg_tensor *dx = tg_to_device(cx, OTHER), *dy = tg_to_device(cy, OTHER), *dz = tg_to_device(cz, OTHER);
        BOTH(tg_sum(x)); BOTH(tg_sum_dims(x, TG_DIMS(0), false)); if (i < 5) { BOTH(tg_argmax(x)); BOTH(tg_matmul(x, tg_t(x))); }
        orders(cx, cx, cz);
        if (wholes[i] == TG_U8) resized_bytes(cz);
        BOTH(tg_index_select(x, 0, y)); BOTH(tg_index_add(tg_zeros_like(tg_slice(x, ":, 0:3")), 0, y, z)); BOTH(tg_gather(tg_t(x), 1, tg_reshape(tg_slice(y, "0:4200"), TG_SHAPE(300, 14))));
        tg_end(tg, m);
    }
    {
        tg_mark m = tg_begin(tg);
        tg_tensor *cx = tg_randn(tg, TG_SHAPE(300, 1000)), *cy = tg_randint(tg, 0, 1000, TG_SHAPE(300)), *cz = tg_randn(tg, TG_SHAPE(300)), *dx = tg_to_device(cx, OTHER), *dy = tg_to_device(cy, OTHER), *dz = tg_to_device(cz, OTHER);
        BOTH(tg_cross_entropy(x, y, .reduction = TG_LOSS_NONE)); BOTH(tg_cross_entropy(tg_to(x, TG_BF16), y, .reduction = TG_LOSS_NONE)); BOTH(tg_cross_entropy(tg_slice(x, ":, 0:5"), tg_remainder_scalar(y, 5), .reduction = TG_LOSS_NONE));
        BOTH(tg_cross_entropy(x, y)); BOTH(tg_cross_entropy(tg_to(x, TG_BF16), y)); BOTH(tg_cross_entropy(tg_slice(x, ":, 0:5"), tg_remainder_scalar(y, 5)));
        BOTH(tg_cross_entropy(x, tg_where(tg_lt_scalar(y, 500), y, tg_full_like(y, -100))));
        BOTH(tg_mul_scalar(x, 0.1)); BOTH(tg_add(x, tg_reshape(z, TG_SHAPE(300, 1))));
        for (int seed = 0; seed < 3; seed++) {
            tg_random_state s = tg_random_get(tg);
            tg_tensor *a = tg_dropout(cx, 0.3, true), *b;
            tg_random_set(tg, s); b = tg_dropout(dx, 0.3, true); CHECK(same(a, home(b)));
            s = tg_random_get(tg); a = tg_bernoulli(tg_sigmoid(cx)); tg_random_set(tg, s); b = tg_bernoulli(tg_sigmoid(dx)); CHECK(same(a, home(b)));
            s = tg_random_get(tg); a = tg_randn_like(cx); tg_random_set(tg, s); b = tg_randn_like(dx); CHECK(same(a, home(b)));
            s = tg_random_get(tg); a = tg_rand_like(tg_to(cx, TG_F64)); tg_random_set(tg, s); b = tg_rand_like(tg_to(dx, TG_F64)); CHECK(same(a, home(b)));
            s = tg_random_get(tg); a = tg_rand_like(tg_to(cx, TG_BF16)); tg_random_set(tg, s); b = tg_rand_like(tg_to(dx, TG_BF16)); CHECK(same(a, home(b)));
        }
        CHECK_OK(tg);
        tg_end(tg, m);
    }
}

/* Copies whose rows lie along another dimension than the original's, and columns of wider rows: of all sizes of elements. */
static void turned_copies(void) {
    static const tg_dtype all[] = { TG_F32, TG_F64, TG_BF16, TG_I64, TG_I16, TG_U8, TG_BOOL };
    size_t i;
    for (i = 0; i < sizeof all / sizeof *all; i++) {
        tg_mark m = tg_begin(tg);
        tg_tensor *cx = tg_to(tg_randint(tg, 0, 100, TG_SHAPE(70, 135)), all[i]), *cy = tg_to(tg_randint(tg, 0, 100, TG_SHAPE(3, 8, 9, 40)), all[i]), *cz = tg_to(tg_randint(tg, 0, 100, TG_SHAPE(96, 128)), all[i]);
        tg_tensor *dx = tg_to_device(cx, OTHER), *dy = tg_to_device(cy, OTHER), *dz = tg_to_device(cz, OTHER);
        BOTH(tg_contiguous(tg_t(x))); BOTH(tg_contiguous(tg_t(z))); BOTH(tg_contiguous(tg_t(tg_slice(x, "3:40, 5:")))); BOTH(tg_contiguous(tg_slice(z, ":, 16:112"))); BOTH(tg_contiguous(tg_slice(z, "::2, ::3")));
        BOTH(tg_contiguous(tg_permute(y, TG_DIMS(0, 3, 1, 2)))); BOTH(tg_contiguous(tg_permute(y, TG_DIMS(3, 2, 1, 0)))); BOTH(tg_contiguous(tg_permute(y, TG_DIMS(2, 0, 3, 1)))); BOTH(tg_contiguous(tg_permute(y, TG_DIMS(1, 0, 2, 3))));
        BOTH(tg_contiguous(tg_flip(tg_t(x), TG_DIMS(0)))); BOTH(tg_copy_(tg_t(tg_zeros_like(x)), tg_t(x))); BOTH(tg_copy_(tg_clone(tg_contiguous(tg_t(z))), tg_t(z)));
        tg_end(tg, m);
    }
}
/* Elements taken by eights, of `rows` x 1000: enough for every processor of a device. Operands of one and of several dimensions, numbers, rows and columns that serve several, what begins
   where no 16 bytes do, a rest behind the last eight; types mixed; and steps of optimisers. */
static void eights(int64_t rows) {
    static const tg_dtype floats[] = { TG_F32, TG_F64, TG_F16, TG_BF16 }, wholes[] = { TG_I64, TG_I32, TG_I16, TG_I8, TG_U8 };
    static const tg_optim_rule rules[] = { TG_OPTIM_SGD, TG_OPTIM_ADAMW, TG_OPTIM_ADAM, TG_OPTIM_RMSPROP };
    size_t i, k;
    for (i = 0; i < 4; i++) {
        tg_mark m = tg_begin(tg);
        tg_tensor *cx = tg_to(tg_randn(tg, TG_SHAPE(rows, 1000)), floats[i]), *cy = tg_to(tg_randn(tg, TG_SHAPE(1000)), floats[i]), *cz = tg_to(tg_randn(tg, TG_SHAPE(rows, 1)), TG_F32);
        tg_tensor *dx = tg_to_device(cx, OTHER), *dy = tg_to_device(cy, OTHER), *dz = tg_to_device(cz, OTHER), *g[2], *h[2];
        BOTH(tg_exp(x)); BOTH(tg_add(x, y)); BOTH(tg_mul(x, z)); BOTH(tg_mul_scalar(x, 3)); BOTH(tg_where(tg_gt(x, y), x, tg_neg(y))); BOTH(tg_lt(x, y)); BOTH(tg_isnan(x)); BOTH(tg_add(tg_slice(x, ":, 8:912"), tg_slice(y, "8:912")));
        BOTH(tg_neg(tg_slice(tg_reshape(x, TG_SHAPE(-1)), "1:"))); BOTH(tg_neg(tg_slice(tg_reshape(x, TG_SHAPE(-1)), "16:-5"))); BOTH(tg_add(tg_slice(x, ":, 1:905"), z)); BOTH(tg_add(tg_slice(x, ":, 0:900"), z)); BOTH(tg_add(x, tg_to(x, TG_F32)));
        BOTH(tg_lerp(x, tg_reshape(y, TG_SHAPE(1, 1000)), tg_to(z, x->dtype))); BOTH(tg_add(x, tg_t(tg_contiguous(tg_t(x)))));
        for (k = 0; k < 4; k++) { BOTH(tg_to(x, floats[k])); BOTH(tg_to(tg_slice(x, ":, 16:"), floats[k])); }
        for (k = 0; k < 5; k++) { BOTH(tg_to(tg_mul_scalar(x, 30), wholes[k])); BOTH(tg_add(tg_to(tg_mul_scalar(x, 30), wholes[k]), y)); }
        for (k = 0; k < 2; k++) {
            tg_tensor *w = tg_require_grad(k ? tg_to_device(cx, OTHER) : tg_clone(cx), true), *v = tg_require_grad(k ? tg_to_device(cy, OTHER) : tg_clone(cy), true);
            CHECK(tg_backward(tg_sum(tg_mul(tg_gelu(tg_mul(w, v)), k ? dx : cx))));
            g[k] = tg_grad_of(w); h[k] = tg_grad_of(v);
        }
        CHECK(SAME(g[0], home(g[1])) && SAME(h[0], home(h[1])));
        tg_end(tg, m);
    }
    for (i = 0; i < 5; i++) {
        tg_mark m = tg_begin(tg);
        tg_tensor *cx = tg_to(tg_mul_scalar(tg_randn(tg, TG_SHAPE(rows, 1000)), 50), wholes[i]), *cy = tg_to(tg_mul_scalar(tg_randn(tg, TG_SHAPE(1000)), 50), wholes[i]), *cz = cy, *dx = tg_to_device(cx, OTHER), *dy = tg_to_device(cy, OTHER), *dz = dy;
        BOTH(tg_add(x, y)); BOTH(tg_mul(x, x)); BOTH(tg_maximum(x, z)); BOTH(tg_bitwise_xor(x, y)); BOTH(tg_eq(x, y)); BOTH(tg_floor_divide(x, tg_add_scalar(tg_abs(tg_bitwise_and(y, tg_full_like(y, 15))), 1)));
        for (k = 0; k < 5; k++) BOTH(tg_to(x, wholes[k]));
        BOTH(tg_to(x, TG_BOOL)); BOTH(tg_logical_and(tg_to(x, TG_BOOL), tg_to(y, TG_BOOL))); BOTH(tg_to(tg_to(x, TG_BOOL), TG_F32));
        tg_end(tg, m);
    }
    for (i = 0; i < 4; i++) for (k = 0; k < 4; k++) {
        tg_mark m = tg_begin(tg);
        tg_tensor *start = tg_to(tg_randn(tg, TG_SHAPE(rows * 1000 + 3)), floats[k]), *slope[3], *p[2];
        int side, step;
        for (step = 0; step < 3; step++) slope[step] = tg_to(tg_randn(tg, TG_SHAPE(rows * 1000 + 3)), floats[k]);
        for (side = 0; side < 2; side++) {
            tg_optim_args a;
            tg_optim *o;
            p[side] = tg_require_grad(side ? tg_to_device(start, OTHER) : tg_clone(start), true);
            memset(&a, 0, sizeof a);
            a.rule = rules[i]; a.lr = 0.1; a.params = &p[side]; a.n_params = 1; a.master_weights = floats[k] == TG_F16 || floats[k] == TG_BF16; a.amsgrad = rules[i] == TG_OPTIM_ADAM; a.centered = rules[i] == TG_OPTIM_RMSPROP;
            if (rules[i] == TG_OPTIM_SGD) { a.momentum.is = true; a.momentum.value = 0.9; }
            o = tg_optim_from(&a);
            for (step = 0; step < 3 && o; step++) CHECK(tg_backward(tg_sum(tg_mul(p[side], side ? tg_to_device(slope[step], OTHER) : slope[step]))) && tg_step(o) && tg_optim_zero_grad(o));
            tg_optim_free(o);
        }
        CHECK_MSG(SAME(tg_detach(p[0]), home(tg_detach(p[1]))), "rule %d, %s: %s", (int)rules[i], tg_dtype_name(floats[k]), tg_error_text(tg)); tg_clear(tg);
        tg_end(tg, m);
    }
}

/* Every model of examples/models, moved to the device as it is, and made there: loss and gradients are those of the CPU, where other tensors are made on the device. */
static void models_there(const char *where) {
    int i, side;
    for (i = 0; i < SMALL_MODELS; i++) {
        double loss[3], norm[3];
        for (side = 0; side < 3; side++) {
            tg_module *m;
            tg_optim *o;
            tg_tensor *y;
            tg = open_strict();
            CHECK(tg_cuda_open(tg, 0, .folder = where));
            tg_seed(tg, 5);
            if (side == 2) tg_default_device(tg, TG_CUDA);
            m = small_models[i].make(tg, 1);
            small_where = side ? TG_CUDA : TG_CPU;
            if (side == 1) tg_module_to_device(m, TG_CUDA);
            tg_default_device(tg, side == 1 ? TG_CPU : TG_CUDA);
            y = small_models[i].loss(m, 1);
            CHECK_MSG(y && y->device == small_where && tg_backward(y), "%s: %s", small_models[i].name, tg_error_text(tg));
            loss[side] = y ? tg_item(y) : -1;
            o = tg_optim_from(&(tg_optim_args){ .rule = TG_OPTIM_SGD, .lr = 0.1, .module = m });
            norm[side] = tg_optim_clip_grad_norm(o, 1);
            CHECK_MSG(!tg_failed(tg), "%s: %s", small_models[i].name, tg_error_text(tg));
            tg_clear(tg); tg_optim_free(o);
            test_close(tg);
        }
        for (side = 1; side < 3; side++) CHECK_MSG(fabs(loss[0] - loss[side]) <= 1e-4 * fabs(loss[0]) && fabs(norm[0] - norm[side]) <= 1e-3 * norm[0] && norm[0] > 0, "%s: loss %g there and %g here, gradients %g and %g", small_models[i].name, loss[side], loss[0], norm[side], norm[0]);
    }
    small_where = TG_CPU;
}
/* The steps of 130 parameters of two groups are three launches (the first one also makes its state), their norm is read once, and a step that waits is never overtaken. */
static void many_steps(void) {
    tg_tensor *p[2][130];
    tg_optim *o[2];
    tg_random_state random;
    int side, i, step, before, waits;
    tg = open_strict();
    CHECK(tg_cuda_open(tg, 0, .folder = folder));
    random = tg_random_get(tg);
    for (side = 0; side < 2; side++) {
        tg_random_set(tg, random);
        for (i = 0; i < 130; i++) { p[side][i] = tg_randn(tg, TG_SHAPE(1 + i % 7 * 9, i % 3 + 1)); p[side][i] = tg_require_grad(side ? tg_to_device(p[side][i], OTHER) : p[side][i], true); }
        o[side] = tg_adamw(p[side], 90, 0.1);
        CHECK(tg_optim_group(o[side], p[side] + 90, 40, 0.01));
        for (step = 0; step < 2; step++) {
            tg_mark m = tg_begin(tg);
            double norm;
            for (i = 0; i < 130; i++) CHECK(tg_backward(tg_sum(tg_mul(p[side][i], p[side][i]))));
            waits = driver->waits; norm = tg_clip_grad_norm_(p[side], 130, 1);
            CHECK(norm > 1 && driver->waits - waits == side);
            before = driver->launches;
            CHECK(tg_step(o[side]));
            CHECK_MSG(!step || driver->launches - before == 3 * side, "%d launches", driver->launches - before);
            CHECK(tg_optim_zero_grad(o[side]));
            tg_end(tg, m);
        }
    }
    for (i = 0; i < 130; i++) CHECK(SAME(tg_detach(p[0][i]), home(tg_detach(p[1][i]))));
    for (side = 0; side < 2; side++) tg_optim_free(o[side]);
    test_close(tg);
    nothing_left("many steps");
}

/* A step of training with all that it takes: is what a test of failing calls does. False: an error is pending. */
static bool work(tg_ctx *t) {
    tg_mark m = tg_begin(t);
    tg_tensor *x = tg_to_device(tg_randn(t, TG_SHAPE(8, 20)), TG_CUDA), *w = tg_require_grad(tg_to_device(tg_randn(t, TG_SHAPE(5, 20)), TG_CUDA), true), *y = tg_to_device(tg_randint(t, 0, 5, TG_SHAPE(8)), TG_CUDA);
    tg_tensor *loss = tg_mean(tg_cross_entropy(tg_linear(tg_mul(tg_dropout(tg_relu(x), 0.2, true), tg_rand_like(x)), w, NULL), y, .reduction = TG_LOSS_NONE));
    bool ok = tg_backward(loss) && tg_item(loss) > 0;
    /* families whose launches are several, or take memory of their own */
    x = tg_layer_norm(x, TG_SHAPE(20), NULL, NULL, 1e-5);
    x = tg_cumsum(tg_sort(tg_reshape(tg_expand(x, TG_SHAPE(9, 8, 20)), TG_SHAPE(1440)), 0, false, NULL), 0);
    x = tg_interpolate(tg_reshape(x, TG_SHAPE(1, 4, 12, 30)), .size = {6, 15}, .mode = TG_INTERPOLATE_BILINEAR);
    ok = ok && tg_item(tg_sum(tg_square(tg_conv2d(x, tg_to_device(tg_randn(t, TG_SHAPE(6, 4, 3, 3)), TG_CUDA), tg_to_device(tg_randn(t, TG_SHAPE(6)), TG_CUDA))))) > 0;
    ok = ok && tg_item(tg_sum(tg_cross_entropy(tg_reshape(x, TG_SHAPE(8, 45)), y))) > 0;
    /* grids, boxes, blocks, the largest of a long row */
    y = tg_require_grad(tg_detach(x), true);
    x = tg_sub_scalar(tg_mul_scalar(tg_to_device(tg_rand(t, TG_SHAPE(1, 40, 10, 2)), TG_CUDA), 2.4), 1.2);
    ok = ok && tg_backward(tg_add(tg_sum(tg_grid_sample(y, x)), tg_sum(tg_roi_align(y, tg_to_device(tg_from_f32(t, TG_SHAPE(1, 5), (const float[]){ 0, 1, 1, 9, 5 }), TG_CUDA), .output_size = {2, 2}))));
    x = tg_to_device(tg_randn(t, TG_SHAPE(2, 1056)), TG_CUDA);
    ok = ok && tg_item(tg_sum(tg_linear(tg_topk(x, 32, 1, true, NULL), tg_to(tg_slice(x, ":, 0:32"), TG_Q8_0), NULL))) == tg_item(tg_sum(tg_linear(tg_topk(x, 32, 1, true, NULL), tg_to(tg_to(tg_slice(x, ":, 0:32"), TG_Q8_0), TG_F32), NULL)));
    /* a copy through page-locked memory */
    x = tg_to_device(tg_full(t, TG_SHAPE(17000), 2, TG_F32), TG_CUDA);
    ok = ok && tg_item(tg_sum(x)) == 34000;
    tg_end(t, m);
    return ok && !tg_failed(t);
}

static bool begin_work(tg_ctx *t, const char *cache) { return tg_cuda_open(t, 0, .folder = folder, .cache = cache) && work(t); }
static void failing_calls(fake_state *of, const char *whose, const char *cache) {
    int at, done = 0;
    for (at = 1; !done; at++) {
        tg_ctx *t = open_strict();
        bool ok;
        of->calls = 0; of->fail_at = at; of->code = at % 3 == 0 ? 2 : at % 3 == 1 ? 700 : 1; of->failed[0] = 0;
        ok = begin_work(t, cache);
        done = of->calls < at;
        if (done) CHECK_MSG(ok, "%s: %s", whose, tg_error_text(t));
        else if (of->failed[0] && !ok) {
            CHECK_MSG(tg_error(t) == TG_ERROR_UNSUPPORTED || tg_error(t) == TG_ERROR_MEMORY, "%s, call %d (%s): %s", whose, at, of->failed, tg_error_text(t));
            CHECK_MSG(strstr(tg_error_text(t), of == driver ? of->failed : "NVRTC") || strstr(tg_error_text(t), "nvrtc"), "%s, call %d (%s) is not named: %s", whose, at, of->failed, tg_error_text(t));
            tg_clear(t);
            CHECK(tg_item(tg_sum(tg_ones(t, TG_SHAPE(3)))) == 3);                 /* the CPU goes on */
        }
        of->fail_at = 0;
        test_close(t);
        nothing_left(of->failed);
    }
    printf("%s: %d calls, each failed once\n", whose, at - 1);
    CHECK(at > 30);
}

/* The host's memory ends: each allocation fails once. */
static void failing_allocations(const char *cache) {
    test_heap heap = TEST_HEAP;
    int ends = 0;
    for (heap.fail_at = 1; heap.fail_at < 2000; heap.fail_at++) {
        tg_config c = test_config(&heap);
        tg_ctx *t;
        bool ok;
        c.no_cache = true;                                                     /* each block is asked for */
        t = tg_open(&c);
        ok = t && begin_work(t, cache);
        CHECK_MSG(ok || !t || tg_error(t) == TG_ERROR_MEMORY || tg_error(t) == TG_ERROR_UNSUPPORTED, "allocation %ld: %s", (long)heap.fail_at, tg_error_text(t));
        test_close(t);
        nothing_left("an allocation that failed");
        ends++;
        if (!test_heap_ended(&heap)) break;
    }
    printf("%d allocations, each failed once\n", ends);
    CHECK(ends > 20);
}

static void memory(void) {
    tg_ctx *t = open_strict();
    int allocations, step, waits;
    CHECK(tg_cuda_open(t, 0, .folder = folder, .memory_limit = 1 << 22));
    CHECK(tg_cuda_name(t) && strcmp(tg_cuda_name(t), "emulated") == 0);
    CHECK(!tg_cuda_open(t, 0, .folder = folder)); CHECK_ERROR(t, TG_ERROR_VALUE);
    for (step = 0; step < 3; step++) CHECK(work(t));
    allocations = driver->allocations;
    for (step = 0; step < 20; step++) CHECK(work(t));
    CHECK_INT(driver->allocations, allocations);                              /* no allocation in steady state */
    CHECK(tg_memory(t).device > 0 && tg_memory(t).device <= 1 << 22 && tg_memory(t).device_cached > 0);
    CHECK_INT(tg_memory(t).device, driver->bytes - 512 + driver->pinned);     /* less the flag */
    CHECK(driver->pinned > 0);
    tg_trim(t);
    CHECK(tg_memory(t).device_cached == 0 && tg_memory(t).device == (size_t)driver->bytes - 512 && driver->pinned == 0);
    /* launches do not wait; a read does */
    {
        tg_mark m = tg_begin(t);
        tg_tensor *x = tg_to_device(tg_ones(t, TG_SHAPE(100)), TG_CUDA);
        int i;
        waits = driver->waits;
        for (i = 0; i < 10; i++) x = tg_exp(tg_mul_scalar(x, 0.5));
        CHECK_INT(driver->waits, waits);
        CHECK(tg_item(tg_sum(x)) > 0 && driver->waits > waits);
        /* an asynchronous fault is found by the next read, and named */
        x = tg_exp(x); driver->late = 700;
        CHECK(!(tg_item(tg_sum(x)) > 0)); CHECK(strstr(tg_error_text(t), "CUDA_ERROR_ILLEGAL_ADDRESS, an illegal memory access was encountered; a kernel that was launched before may have failed, the last of them was tg__cu_") != NULL); CHECK_ERROR(t, TG_ERROR_UNSUPPORTED);
        tg_end(t, m);
    }
    /* the limit, and no room: what waits goes back first */
    {
        tg_mark m = tg_begin(t);
        tg_tensor *x = tg_to_device(tg_ones(t, TG_SHAPE(300000)), TG_CUDA);
        CHECK(x && tg_exp(x) && tg_exp(x));
        CHECK(!tg_exp(x)); CHECK(strstr(tg_error_text(t), "of its limit of 4194304") != NULL); CHECK_ERROR(t, TG_ERROR_MEMORY);
        tg_end(t, m);
        CHECK(tg_memory(t).device_cached > 3000000);
        CHECK(tg_to_device(tg_ones(t, TG_SHAPE(900000)), TG_CUDA) != NULL); CHECK_OK(t);
    }
    test_close(t);
    nothing_left("memory");
    t = open_strict();
    CHECK(tg_cuda_open(t, 0, .folder = folder));
    driver->room = 3 << 20;
    {
        tg_mark m = tg_begin(t);
        tg_tensor *x = tg_to_device(tg_ones(t, TG_SHAPE(300000)), TG_CUDA);
        CHECK(x && tg_exp(x)); CHECK(!tg_exp(x)); CHECK(strstr(tg_error_text(t), "CUDA_ERROR_OUT_OF_MEMORY") != NULL); CHECK_ERROR(t, TG_ERROR_MEMORY);
        tg_end(t, m);
        CHECK(tg_to_device(tg_ones(t, TG_SHAPE(600000)), TG_CUDA) != NULL); CHECK_OK(t);      /* after what waited went back */
    }
    driver->room = 0;
    test_close(t);
    nothing_left("no room");
    /* two contexts side by side; a scope that outlives nothing; every block goes back at once with no_cache */
    {
        tg_config c;
        tg_ctx *a = open_strict(), *b;
        memset(&c, 0, sizeof c);
        c.no_cache = true; b = tg_open(&c);
        CHECK(tg_cuda_open(a, 0, .folder = folder) && tg_cuda_open(b, 0, .folder = folder));
        for (step = 0; step < 3; step++) CHECK(work(a) && work(b));
        CHECK_INT(driver->current, 0);
        test_close(a); CHECK(work(b)); CHECK(tg_memory(b).device_cached == 0); test_close(b);
        nothing_left("two contexts");
    }
}

/* Values out of range: an error of the next read; with .synchronise of the call itself, in the CPU's words. */
static void values(void) {
    tg_ctx *t = open_strict();
    tg_tensor *x, *i, *y;
    int way;
    CHECK(tg_cuda_open(t, 0, .folder = folder));
    x = tg_to_device(tg_randn(t, TG_SHAPE(6, 70)), TG_CUDA); i = tg_to_device(tg_full(t, TG_SHAPE(4), 33, TG_I64), TG_CUDA);
    for (way = 0; way < 6; way++) {
        y = way == 5 ? tg_roi_align(tg_reshape(x, TG_SHAPE(2, 3, 7, 10)), tg_full_like(tg_slice(x, ":, 0:5"), 2), .output_size = {2, 2}) : way == 0 ? tg_index_select(x, 0, i) : way == 1 ? tg_bernoulli(tg_full_like(x, 2)) : way == 2 ? tg_remainder(i, tg_zeros_like(i)) : way == 3 ? tg_index_add(x, 0, i, tg_slice(x, "0:4"))
            : tg_cross_entropy(tg_slice(x, "0:4, 0:20"), i, .reduction = TG_LOSS_NONE);
        CHECK(y != NULL); CHECK_OK(t);
        CHECK(!(tg_item(tg_sum(tg_ones_like(x))) > 0)); CHECK(strstr(tg_error_text(t), "out of range") != NULL); CHECK_ERROR(t, TG_ERROR_UNSUPPORTED);
        CHECK(tg_item(tg_sum(tg_ones_like(x))) == 420); CHECK_OK(t);              /* said once */
    }
    test_close(t);
    t = open_strict();
    CHECK(tg_cuda_open(t, 0, .folder = folder, .synchronise = true));
    x = tg_to_device(tg_randn(t, TG_SHAPE(6, 70)), TG_CUDA); i = tg_to_device(tg_full(t, TG_SHAPE(4), 33, TG_I64), TG_CUDA);
    CHECK(!tg_index_select(x, 0, i)); CHECK(strstr(tg_error_text(t), "index 33 (element 0 of the indices) is out of range") != NULL); CHECK_ERROR(t, TG_ERROR_VALUE);
    CHECK(!tg_bernoulli(tg_full_like(x, 2))); CHECK_ERROR(t, TG_ERROR_VALUE);
    CHECK(!tg_remainder(i, tg_zeros_like(i))); CHECK_ERROR(t, TG_ERROR_VALUE);
    CHECK(!tg_roi_align(tg_reshape(x, TG_SHAPE(2, 3, 7, 10)), tg_full_like(tg_slice(x, ":, 0:5"), 2), .output_size = {2, 2})); CHECK(strstr(tg_error_text(t), "box 0 is of picture 2; x has 2") != NULL); CHECK_ERROR(t, TG_ERROR_VALUE);
    CHECK(!tg_cross_entropy(tg_slice(x, "0:4, 0:20"), i)); CHECK(strstr(tg_error_text(t), "class 33") != NULL); CHECK_ERROR(t, TG_ERROR_VALUE);
    driver->late = 700; CHECK(!tg_exp(x)); CHECK(strstr(tg_error_text(t), "exp: device 'cuda' failed at 'map' of f32[6, 70], f32[6, 70]: cuStreamSynchronize: CUDA_ERROR_ILLEGAL_ADDRESS") != NULL);
    CHECK(strstr(tg_error_text(t), "the kernel was tg__cu_map_tg_exp_0_f32 (") != NULL); CHECK_ERROR(t, TG_ERROR_UNSUPPORTED);
    test_close(t);
    nothing_left("values");
}

/* ---- copies in that nobody waits for ---- */

/* Some steps of training, whose next batch is copied before each step; the last loss, and no wait but for it. */
static double train(tg_ctx *t, tg_device where) {
    tg_mark m = tg_begin(t);
    tg_tensor *w = tg_require_grad(tg_to_device(tg_mul_scalar(tg_randn(t, TG_SHAPE(3, 600)), 0.05), where), true), *x, *y, *next = NULL, *labels = NULL, *loss = NULL;
    const int waits = driver->waits;
    double last;
    int step;
    for (step = 0; step < 6; step++) {
        x = step ? next : tg_to_device(tg_randn(t, TG_SHAPE(64, 600)), where); y = step ? labels : tg_to_device(tg_randint(t, 0, 3, TG_SHAPE(64)), where);
        next = tg_to_device(tg_randn(t, TG_SHAPE(64, 600)), where); labels = tg_to_device(tg_randint(t, 0, 3, TG_SHAPE(64)), where);
        loss = tg_cross_entropy(tg_linear(x, w, NULL), y);
        tg_backward(loss);
        { const bool was = tg_grad_mode(t, false); tg_add_scaled_(w, tg_grad_of(w), -0.1); tg_grad_mode(t, was); }
        tg_zero_grad(w);
    }
    CHECK_INT(driver->waits, waits); CHECK_INT(driver->event_waits, 0);
    last = tg_item(loss);
    CHECK_OK(t);
    tg_end(t, m);
    return last;
}
static void pinned(void) {
    tg_ctx *t = open_strict();
    tg_mark m;
    tg_tensor *host, *x, *y, *z;
    double here, there;
    int lazy, i;
    CHECK(tg_cuda_open(t, 0, .folder = folder));
    for (lazy = 0; lazy < 3; lazy++) {
        driver->lazy = lazy; driver->event_waits = 0; driver->dice = 1;
        tg_seed(t, 7); here = train(t, TG_CPU);
        tg_seed(t, 7); there = train(t, TG_CUDA);
        CHECK(here == there && here > 0);
        CHECK(driver->pinned > 0 && driver->pinned <= 64 << 20 && tg_memory(t).device_cached >= (size_t)driver->pinned);
        /* what is not needed yet is not waited for */
        m = tg_begin(t);
        host = tg_add_scalar(tg_arange(t, 0, 100000, 1, TG_F32), 1);
        x = tg_to_device(host, TG_CUDA); y = tg_to_device(tg_mul_scalar(host, 2), TG_CUDA);
        CHECK(tg_item(tg_amax(x)) == 100000); CHECK(waiting() > 0 || lazy != 1);
        CHECK(tg_item(tg_amax(y)) == 200000); CHECK(waiting() == 0);
        /* a part of it is written over; all of it; what is released before it has come does not overtake what comes after it */
        x = tg_to_device(host, TG_CUDA); CHECK(tg_copy_(tg_slice(x, "99990:"), tg_zeros_like(tg_slice(y, "0:10"))));
        CHECK(tg_item(tg_amax(x)) == 99990);
        x = tg_to_device(host, TG_CUDA); CHECK(tg_copy_(x, tg_to_device(tg_mul_scalar(host, 3), TG_CUDA))); CHECK(tg_item(tg_amax(tg_neg(tg_neg(x)))) == 300000);
        x = tg_to_device(host, TG_CUDA); CHECK(tg_item(tg_amax(tg_slice(x, "50000:60000"))) == 60000); CHECK(tg_item(tg_amax(tg_flip(x, TG_DIMS(0)))) == 100000);
        for (i = 0; i < 4; i++) {
            tg_mark inner = tg_begin(t);
            (void)tg_to_device(host, TG_CUDA);
            tg_end(t, inner);
            x = tg_full_like(y, i); CHECK(tg_item(tg_amax(x)) == i);
        }
        {                                                                      /* nor what was asked before it, where it stands in memory that is free since */
            tg_mark inner = tg_begin(t);
            x = tg_to_device(host, TG_CUDA);
            x = tg_end_with(t, inner, tg_neg(x));
            y = tg_to_device(tg_mul_scalar(host, 5), TG_CUDA);
            tg_trim(t);
            CHECK(tg_item(tg_amin(x)) == -100000 && tg_item(tg_amax(y)) == 500000);
        }
        host = tg_arange(t, 0, 32768, 1, TG_F32); y = tg_neg(tg_slice(host, "0:4096")); z = tg_to_device(y, TG_CUDA);
        for (i = 0; i < 60; i++) {                                             /* memory of a launch's own, which a copy was on its way to */
            tg_mark inner = tg_begin(t);
            driver->dice = (unsigned)i * 77777u;
            (void)tg_to_device(host, TG_CUDA);
            tg_end(t, inner);
            CHECK(same(tg_sort(y, 0, false, NULL), home(tg_sort(z, 0, false, NULL))));
        }
        host = tg_add_scalar(tg_arange(t, 0, 100000, 1, TG_F32), 1);
        for (i = 0; i < 20; i++) x = tg_to_device(tg_mul_scalar(host, i), TG_CUDA);
        CHECK(tg_item(tg_amax(x)) == 1900000);
        CHECK(tg_cuda_wait(t) && waiting() == 0);
        tg_end(t, m);
        tg_trim(t);
        CHECK(driver->pinned == 0 && driver->pins == 0 && tg_memory(t).device_cached == 0);
    }
    test_close(t);
    nothing_left("page-locked memory");
    /* little of it: pieces, and waits for the first of them; none: the driver's own way. Larger than all of it */
    for (i = 0; i < 4; i++) {
        t = open_strict();
        driver->no_pins = i == 2; driver->lazy = 1; driver->event_waits = 0;
        CHECK(tg_cuda_open(t, 0, .folder = folder, .pinned_limit = i == 1 ? 600000 : i == 3 ? 1000 : 0, .synchronise = i == 3));
        host = tg_arange(t, 0, i == 0 ? 5000000 : 1000000, 1, TG_F32);
        x = tg_to_device(host, TG_CUDA); y = tg_to_device(host, TG_CUDA);
        CHECK(same(host, home(x)) && same(host, home(y)));
        CHECK(i == 1 ? driver->event_waits > 0 && driver->pinned == 524288 : i >= 2 ? driver->pinned == 0 : driver->pinned > 20000000 && driver->event_waits == 0);
        driver->no_pins = 0; driver->lazy = 0;
        test_close(t);
        nothing_left("a limit of page-locked memory");
    }
}

static char kept[600];                                                         /* a folder for programs */
static int kept_files(bool remove_them);
static void guest(void);

/* ---- products by cuBLASLt ---- */

static tg_ctx *open_loose(const char *where, bool tf32, bool own) {
    tg_config c;
    tg_ctx *t;
    memset(&c, 0, sizeof c);
    c.hooks.log = log_hook;
    t = tg_open(&c);
    CHECK_MSG(tg_cuda_open(t, 0, .folder = where, .tf32 = tf32, .no_cublas = own, .no_cudnn = own), "%s", tg_error_text(t));
    return t;
}
static double apart(tg_tensor *a, tg_tensor *b) {                              /* of the largest */
    double off = 0, top = 0;
    int64_t i;
    if (!a || !b || !tg__same_shape(a, b) || a->dtype != b->dtype) return INFINITY;
    a = tg_contiguous(a); b = tg_contiguous(b);
    for (i = 0; i < a->numel; i++) {
        const double x = tg__get_f64(tg__element_at(a, i), a->dtype), y = tg__get_f64(tg__element_at(b, i), b->dtype);
        if (!(fabs(x - y) <= off)) off = fabs(x - y);
        if (fabs(x) > top) top = fabs(x);
    }
    return top > 0 ? off / top : off;
}
/* c (+)= a b + bias, as the family is asked for it; copies of c. */
static tg_tensor *asked(tg_ctx *t, tg_tensor *c, tg_tensor *a, tg_tensor *b, tg_tensor *bias, int add) {
    tg__ask ask;
    c = tg_end_with(t, tg_begin(t), tg_clone(c));
    tg__ask_begin(&ask, TG_FAMILY_GEMM, add, c->dtype);
    tg__ask_for(&ask, c, TG_READ | TG_WRITE); tg__ask_for(&ask, a, TG_READ); tg__ask_for(&ask, b, TG_READ); tg__ask_for(&ask, bias ? tg_expand(bias, c->ndim, c->shape) : NULL, TG_READ);
    return tg__launch(&ask, t, &tg__family_gemm, NULL) ? c : NULL;
}
/* A product or a convolution here and there. `by`: how many of them the library makes of it, -1: one at least. */
#define MADE(library, by_, expression) do { tg_tensor *x = cx, *y = cy, *z = cz, *here, *there; const int before = library ? library->products : 0, by = by_; double off; here = (expression); x = dx; y = dy; z = dz; there = (expression); (void)x; (void)y; (void)z; \
    CHECK_OK(t); off = apart(here, home(there)); CHECK_MSG(off <= most, "%s, %s: %g apart", #expression, tg_dtype_name(cx->dtype), off); tg_clear(t); \
    if (library) CHECK_MSG(by < 0 ? library->products > before : library->products - before == by, "%s, %s: %d by the library", #expression, tg_dtype_name(cx->dtype), library->products - before); } while (0)
#define PRODUCT(by, expression) MADE(blas, by, expression)
#define CONVOLUTION(by, expression) MADE(dnn, by, expression)
static void product_cases(tg_ctx *t, tg_dtype dtype, double most, int one, int few) {       /* one, few: or 0, where nobody is asked */
    tg_mark m = tg_begin(t);
    tg_tensor *cx = tg_to(tg_randn(t, TG_SHAPE(37, 50)), dtype), *cy = tg_to(tg_randn(t, TG_SHAPE(50, 29)), dtype), *cz = tg_to(tg_randn(t, TG_SHAPE(37, 29)), dtype);
    tg_tensor *dx = tg_to_device(cx, TG_CUDA), *dy = tg_to_device(cy, TG_CUDA), *dz = tg_to_device(cz, TG_CUDA);
    /* as it lies, turned, a part, every other row; a row, a column, a number */
    PRODUCT(one, tg_matmul(x, y)); PRODUCT(one, tg_matmul(tg_t(y), tg_t(x))); PRODUCT(one, tg_matmul(tg_contiguous(tg_t(x)), z)); PRODUCT(one, tg_matmul(tg_t(x), z)); PRODUCT(one, tg_matmul(z, tg_t(y)));
    PRODUCT(one, tg_matmul(tg_slice(x, "3:20, 5:31"), tg_slice(y, "2:28, 1:9"))); PRODUCT(one, tg_matmul(tg_slice(x, "::2"), y)); PRODUCT(one, tg_matmul(tg_slice(x, "0:1"), y)); PRODUCT(one, tg_matmul(x, tg_slice(y, ":, 4:5")));
    PRODUCT(one, tg_matmul(tg_slice(x, "0:1"), tg_slice(y, ":, 0:1"))); PRODUCT(one, tg_matmul(tg_slice(x, ":, 3:4"), tg_slice(y, "5:6"))); PRODUCT(one, tg_matmul(tg_slice(tg_t(y), "0:1"), tg_t(x)));
    /* numbers that lie apart, rows that are all one: not for the library */
    PRODUCT(0, tg_matmul(tg_slice(x, ":, ::2"), tg_slice(y, "::2, ::3"))); PRODUCT(0, tg_matmul(tg_expand(tg_slice(x, "0:1"), TG_SHAPE(6, 50)), y));
    PRODUCT(0, tg_matmul(tg_slice(x, ":, 0:0"), tg_slice(y, "0:0")));
    /* biases: for each column; as a matrix; for each row; one; turned results */
    PRODUCT(one, tg_linear(x, tg_t(y), tg_slice(z, "0"))); PRODUCT(one, tg_linear(x, tg_contiguous(tg_t(y)), tg_slice(z, "3"))); PRODUCT(one, tg_linear(tg_slice(x, "0:1"), tg_t(y), tg_slice(z, "1"))); PRODUCT(one, tg_linear(x, tg_t(y), tg_contiguous(tg_slice(z, ":29, 0"))));
    PRODUCT(one, tg_linear(x, tg_t(y), tg_slice(z, ":29, 0"))); PRODUCT(one, tg_linear(x, tg_t(y), tg_expand(tg_slice(z, "0, 0:1"), TG_SHAPE(29))));
    PRODUCT(one, tg_linear(tg_reshape(x, TG_SHAPE(37, 5, 10)), tg_t(tg_slice(y, "0:10")), tg_slice(z, "0")));
    PRODUCT(-!!one, tg_addmm(z, x, y, 1, 1)); PRODUCT(-!!one, tg_addmm(tg_slice(z, ":, 0:1"), x, y, 1, 1));
    tg_end(t, m);
    /* batches: one step, folded into rows, several steps, the same matrix for all */
    m = tg_begin(t);
    cx = tg_to(tg_randn(t, TG_SHAPE(2, 3, 5, 8)), dtype); cy = tg_to(tg_randn(t, TG_SHAPE(2, 3, 8, 4)), dtype); cz = tg_to(tg_randn(t, TG_SHAPE(2, 5, 3, 8)), dtype);
    dx = tg_to_device(cx, TG_CUDA); dy = tg_to_device(cy, TG_CUDA); dz = tg_to_device(cz, TG_CUDA);
    PRODUCT(one, tg_matmul(x, y)); PRODUCT(one, tg_matmul(x, tg_slice(y, "0, 0"))); PRODUCT(one, tg_matmul(tg_slice(x, "0, 0"), y)); PRODUCT(one, tg_matmul(tg_transpose(y, 2, 3), tg_transpose(x, 2, 3)));
    PRODUCT(few, tg_matmul(tg_transpose(z, 1, 2), y)); PRODUCT(few, tg_matmul(x, tg_slice(y, "0:1"))); PRODUCT(few, tg_matmul(tg_slice(x, ":, 0:1"), y)); PRODUCT(few, tg_matmul(tg_transpose(z, 1, 2), tg_transpose(tg_transpose(z, 1, 2), 2, 3)));
    PRODUCT(one, tg_matmul(tg_slice(x, ":, :, 0:1"), tg_slice(y, "0, 0"))); PRODUCT(one, tg_matmul(tg_slice(x, ":, :, 1:3"), y)); PRODUCT(one, tg_matmul(x, tg_slice(y, ":, :, :, 0:1")));
    PRODUCT(one, tg_matmul(tg_slice(x, ":, :, :, 0:1"), tg_slice(y, "0, 0, 0:1"))); PRODUCT(few, tg_matmul(tg_slice(x, ":, :, 0"), tg_slice(y, ":, 0")));
    tg_end(t, m);
    /* added to what stands there, with every bias; results that lie turned */
    m = tg_begin(t);
    cx = tg_to(tg_randn(t, TG_SHAPE(3, 7, 9)), dtype); cy = tg_to(tg_randn(t, TG_SHAPE(3, 9, 11)), dtype); cz = tg_to(tg_randn(t, TG_SHAPE(3, 7, 11)), dtype);
    dx = tg_to_device(cx, TG_CUDA); dy = tg_to_device(cy, TG_CUDA); dz = tg_to_device(cz, TG_CUDA);
    for (int add = 0; add < 2; add++) {
        const int odd = add ? 0 : one;                                         /* biases that the library does not add */
        PRODUCT(one, asked(t, z, x, y, NULL, add)); PRODUCT(one, asked(t, tg_transpose(z, 1, 2), tg_transpose(y, 1, 2), tg_transpose(x, 1, 2), NULL, add)); PRODUCT(one, asked(t, z, x, tg_expand(tg_slice(y, "0:1"), TG_SHAPE(3, 9, 11)), NULL, add));
        PRODUCT(blas && blas->refuse == 2 && add ? 0 : one, asked(t, z, x, y, tg_slice(z, "0, 0"), add)); PRODUCT(odd, asked(t, z, x, y, tg_slice(z, "0, 0:1, 0:1"), add)); PRODUCT(odd, asked(t, z, x, y, tg_slice(z, "2, :, 0:1"), add));
        PRODUCT(odd, asked(t, z, x, y, tg_mul_scalar(tg_slice(z, "2"), 2), add)); PRODUCT(odd, asked(t, tg_transpose(z, 1, 2), tg_transpose(y, 1, 2), tg_transpose(x, 1, 2), tg_slice(z, "1, :, 3"), add)); PRODUCT(odd, asked(t, z, x, y, tg_slice(z, "1, :, 2:3"), add));
        PRODUCT(blas && blas->refuse == 2 && add ? 0 : one, asked(t, tg_slice(z, "1, 0:1"), tg_slice(x, "1, 0:1"), tg_slice(y, "2"), tg_slice(z, "2, 3:4"), add));
    }
    tg_end(t, m);
    /* gradients */
    m = tg_begin(t);
    cx = tg_to(tg_randn(t, TG_SHAPE(6, 3, 20)), dtype); cy = tg_to(tg_mul_scalar(tg_randn(t, TG_SHAPE(12, 20)), 0.2), dtype); cz = tg_to(tg_randn(t, TG_SHAPE(12)), dtype);
    {
        tg_tensor *grads[2][3];
        int side;
        for (side = 0; side < 2; side++) {
            tg_tensor *x = tg_require_grad(tg_to_device(tg_clone(cx), side ? TG_CUDA : TG_CPU), true), *w = tg_require_grad(tg_to_device(tg_clone(cy), side ? TG_CUDA : TG_CPU), true), *b = tg_require_grad(tg_to_device(tg_clone(cz), side ? TG_CUDA : TG_CPU), true);
            CHECK(tg_backward(tg_sum(tg_square(tg_linear(x, w, b)))));
            grads[side][0] = home(tg_grad_of(x)); grads[side][1] = home(tg_grad_of(w)); grads[side][2] = home(tg_grad_of(b));
        }
        for (side = 0; side < 3; side++) CHECK_MSG(apart(grads[0][side], grads[1][side]) <= 4 * most, "gradient %d, %s: %g", side, tg_dtype_name(dtype), apart(grads[0][side], grads[1][side]));
        CHECK_OK(t);
    }
    tg_end(t, m);
}
/* ---- convolutions by cuDNN ---- */

/* The gradient number `of` of x and w; the loss has one that is dense. */
static tg_tensor *gradient(tg_tensor *x, tg_tensor *w, int of, tg_tensor *(*f)(tg_tensor *x, tg_tensor *w)) {
    tg_tensor *in[2], *dx[2], *y;
    in[0] = tg_require_grad(tg_detach(x), true); in[1] = tg_require_grad(tg_detach(w), true);
    y = tg_sum(tg_square(f(in[0], in[1])));
    return y && tg_grad(&y, 1, in, 2, dx) ? dx[of] : NULL;
}
static tg_tensor *to_stride(tg_tensor *x, tg_tensor *w) { return tg_conv2d(x, w, NULL, .stride = {2, 1}, .padding = {1, 2}, .dilation = {1, 2}); }
static tg_tensor *to_groups(tg_tensor *x, tg_tensor *w) { return tg_conv2d(x, w, NULL, .padding = {2, 0}, .groups = 2); }
static tg_tensor *to_depth(tg_tensor *x, tg_tensor *w) { return tg_conv3d(x, w, NULL, .stride = {1, 2, 1}, .padding = {1, 0, 1}); }
static tg_tensor *to_back(tg_tensor *x, tg_tensor *w) { return tg_conv_transpose2d(x, w, NULL, .stride = {2, 3}, .padding = {1, 1}, .output_padding = {1, 2}); }
static tg_tensor *channels_within(tg_tensor *x) { return tg_permute(tg_contiguous(tg_permute(x, TG_DIMS(0, 2, 3, 1))), TG_DIMS(0, 3, 1, 2)); }
/* Each call of a library fails once, in each way: another kernel makes it, or, of the codes from `told` on, the error names the call. */
typedef struct failing {
    const char *name;
    const int *codes; int n_codes, told, least, results;             /* least: calls that there are, at least */
    double most;
    void (*make)(tg_ctx *t, tg_tensor **in);                         /* x, w, b */
    void (*run)(tg_tensor *x, tg_tensor *w, tg_tensor *b, tg_tensor **r);
    bool (*says)(int kind, const char *failed, const char *text);
} failing;
static void each_call_fails(const failing *f, fake_state *of) {
    int i, kind, at;
    for (kind = 0; kind < f->n_codes; kind++) {
        bool done = false;
        int refused = 0;
        for (at = 1; !done; at++) {
            tg_ctx *t = open_loose(folder, false, false);
            tg_mark m = tg_begin(t);
            tg_tensor *in[3], *here[4], *there[4];
            f->make(t, in);
            of->calls = 0; of->fail_at = at; of->code = f->codes[kind]; of->failed[0] = 0;
            f->run(in[0], in[1], in[2], here);
            f->run(tg_to_device(in[0], TG_CUDA), tg_to_device(in[1], TG_CUDA), tg_to_device(in[2], TG_CUDA), there);
            done = of->calls < at && !of->failed[0];
            if (tg_failed(t)) {
                CHECK_MSG(kind >= f->told && f->says(kind, of->failed, tg_error_text(t)), "%s, code %d: %s", of->failed, f->codes[kind], tg_error_text(t));
                tg_clear(t); refused++;
            } else for (i = 0; i < f->results; i++) CHECK_MSG(apart(here[i], there[i]) < f->most, "%s failed with %d: result %d is %g off", of->failed, f->codes[kind], i, apart(here[i], there[i]));
            of->fail_at = 0;
            tg_end(t, m);
            test_close(t);
            nothing_left(of->failed);
        }
        CHECK(at > f->least && (refused > 0) == (kind >= f->told));
        if (kind == 0) printf("%s: %d calls, each failed once in %d ways\n", f->name, at - 1, f->n_codes);
    }
}
static void convolutions_make(tg_ctx *t, tg_tensor **in) { in[0] = tg_randn(t, TG_SHAPE(2, 6, 7, 8)); in[1] = tg_randn(t, TG_SHAPE(8, 6, 3, 3)); in[2] = tg_randn(t, TG_SHAPE(8)); }
static void convolutions_run(tg_tensor *x, tg_tensor *w, tg_tensor *b, tg_tensor **r) {
    r[0] = home(tg_conv2d(x, w, b)); r[1] = r[0] ? home(gradient(x, w, 0, to_stride)) : NULL; r[2] = r[1] ? home(gradient(x, w, 1, to_stride)) : NULL; r[3] = r[2] ? home(tg_conv2d(x, w, b)) : NULL;
}
static bool convolutions_say(int kind, const char *failed, const char *text) {
    return (strncmp(failed, "cudnnConvolution", 16) == 0 || strcmp(failed, "cudnnSetStream") == 0) && strstr(text, failed) &&
        strstr(text, kind == 4 ? " failed with code 5000, CUDNN_STATUS_EXECUTION_FAILED" : " failed with code 8, CUDNN_STATUS_EXECUTION_FAILED");
}
static const int convolution_codes[] = { 3000, 9, 2000, 4000, 5000, 8 }, product_codes[] = { 15, 7, 3, 13 };      /* those of cuDNN of versions 9 and 8 */
static const failing failing_convolutions = { "cuDNN", convolution_codes, 6, 4, 50, 4, 4e-6, convolutions_make, convolutions_run, convolutions_say };
static void products_make(tg_ctx *t, tg_tensor **in) { in[0] = tg_randn(t, TG_SHAPE(4, 6, 8)); in[1] = tg_randn(t, TG_SHAPE(5, 8)); in[2] = tg_randn(t, TG_SHAPE(5)); }
static void products_run(tg_tensor *x, tg_tensor *w, tg_tensor *b, tg_tensor **r) {
    r[0] = home(tg_linear(x, w, b)); r[1] = r[0] ? home(tg_matmul(x, tg_transpose(x, 1, 2))) : NULL; r[2] = r[1] ? home(tg_linear(x, w, b)) : NULL;
}
static bool products_say(int kind, const char *failed, const char *text) {
    (void)kind;
    return strcmp(failed, "cublasLtMatmul") == 0 && strstr(text, "cublasLtMatmul failed with code 13, CUBLAS_STATUS_EXECUTION_FAILED");
}
static const failing failing_products = { "cuBLASLt", product_codes, 4, 3, 30, 3, 2e-6, products_make, products_run, products_say };
static void convolution_cases(tg_ctx *t, tg_dtype dtype, double most, int one) {       /* one: or 0, where nobody is asked */
    tg_mark m = tg_begin(t);
    tg_tensor *cx = tg_to(tg_randn(t, TG_SHAPE(2, 8, 13, 12)), dtype), *cy = tg_to(tg_mul_scalar(tg_randn(t, TG_SHAPE(12, 8, 3, 2)), 0.2), dtype), *cz = tg_to(tg_randn(t, TG_SHAPE(12)), dtype);
    tg_tensor *dx = tg_to_device(cx, TG_CUDA), *dy = tg_to_device(cy, TG_CUDA), *dz = tg_to_device(cz, TG_CUDA);
    const int kinds[3] = { dnn ? dnn->kinds[0] : 0, dnn ? dnn->kinds[1] : 0, dnn ? dnn->kinds[2] : 0 }, deep = dnn ? dnn->deep : 0, channels = dnn ? dnn->channels : 0;
    int i;
    CONVOLUTION(one, tg_conv2d(x, y, NULL)); CONVOLUTION(one, tg_conv2d(x, y, z)); CONVOLUTION(one, tg_conv2d(x, y, tg_expand(tg_slice(z, "2:3"), TG_SHAPE(12)))); CONVOLUTION(one, tg_conv2d(x, y, z, .stride = {2, 3}, .padding = {2, 1}));
    CONVOLUTION(one, tg_conv2d(x, y, z, .stride = {3, 2}, .padding = {1, 4}, .dilation = {2, 3})); CONVOLUTION(one, tg_conv2d(x, tg_contiguous(tg_slice(y, ":, 0:4")), z, .groups = 2)); CONVOLUTION(one, tg_conv2d(x, tg_contiguous(tg_slice(y, ":, :, 0:1, 0:1")), z));
    CONVOLUTION(one, tg_conv2d(x, y, z, .stride = {50, 50})); CONVOLUTION(one, tg_conv2d(tg_slice(x, "0"), y, z)); CONVOLUTION(one, tg_conv2d(x, tg_slice(y, "0:1"), tg_slice(z, "0:1"))); CONVOLUTION(one, tg_conv2d(tg_contiguous(tg_slice(x, ":, 0:1")), tg_contiguous(tg_slice(y, ":, 0:1")), z));
    CONVOLUTION(one, tg_conv2d(x, y, z, .padding = {1, 0}, .same = false)); CONVOLUTION(one, tg_conv2d(x, tg_contiguous(tg_slice(y, ":, :, :, 0:1")), z, .same = true));      /* of an odd kernel the padding is the same on both sides */
    /* filters that lie otherwise: a part, an address between, turned, one for all */
    CONVOLUTION(one, tg_conv2d(x, tg_slice(y, ":, :, 0:2"), z)); CONVOLUTION(one, tg_conv2d(channels_within(x), tg_slice(y, "::2, :, :, 1:"), NULL)); CONVOLUTION(one, tg_conv2d(x, tg_reshape(tg_slice(tg_reshape(y, TG_SHAPE(576)), "1:481"), TG_SHAPE(10, 8, 3, 2)), tg_slice(z, "2:")));
    CONVOLUTION(one, tg_conv2d(x, tg_flip(tg_transpose(y, 2, 3), TG_DIMS(2, 3)), z)); CONVOLUTION(one, tg_conv2d(x, tg_expand(tg_slice(y, "0:1"), TG_SHAPE(12, 8, 3, 2)), z)); CONVOLUTION(one, tg_conv_transpose2d(x, tg_transpose(tg_reshape(y, TG_SHAPE(12, 8, 3, 2)), 0, 1), z));
    /* parts of larger tensors: images, channels, rows that begin where 16 bytes do; channels within, of the filter too */
    CONVOLUTION(one, tg_conv2d(tg_slice(x, "1:2"), y, z)); CONVOLUTION(one, tg_conv2d(tg_slice(x, ":, 2:6"), tg_contiguous(tg_slice(y, ":, 0:4")), z)); CONVOLUTION(one, tg_conv2d(tg_slice(x, ":, :, 2:10, 0:7"), y, z));
    CONVOLUTION(one, tg_conv2d(channels_within(x), y, z, .padding = {1, 1})); CONVOLUTION(one, tg_conv2d(channels_within(x), channels_within(y), z, .stride = {2, 2})); CONVOLUTION(one, tg_conv2d(x, channels_within(y), NULL));
    CONVOLUTION(one, tg_conv2d(tg_slice(channels_within(x), ":, 0:4, 2:, 0:9"), tg_contiguous(tg_slice(y, ":, 0:4")), z));
    /* for this file's kernels: more padding on one side, depthwise, few filters in a group, numbers that are one or lie apart, an address between, rows across, nothing to sum */
    CONVOLUTION(0, tg_conv2d(x, y, z, .same = true)); CONVOLUTION(0, tg_conv2d(x, tg_reshape(tg_slice(y, "0:1"), TG_SHAPE(8, 1, 3, 2)), NULL, .groups = 8)); CONVOLUTION(0, tg_conv2d(x, tg_contiguous(tg_slice(y, ":8, 0:4")), NULL, .groups = 2));
    CONVOLUTION(0, tg_conv2d(tg_expand(tg_slice(x, ":, 0:1"), TG_SHAPE(2, 8, 13, 12)), y, z)); CONVOLUTION(0, tg_conv2d(tg_slice(x, ":, :, :, ::2"), y, z));
    CONVOLUTION(0, tg_conv2d(tg_slice(x, ":, :, :, 1:"), y, z)); CONVOLUTION(0, tg_conv2d(tg_transpose(x, 2, 3), y, z)); CONVOLUTION(0, tg_conv2d(tg_slice(x, ":, 0:0"), tg_slice(y, ":, 0:0"), z));
    /* transposed, with room at the end and a bias; more room than follows from the rest */
    CONVOLUTION(one, tg_conv_transpose2d(x, tg_reshape(y, TG_SHAPE(8, 12, 3, 2)), z, .stride = {2, 3}, .padding = {1, 0}, .output_padding = {1, 2})); CONVOLUTION(one, tg_conv_transpose2d(x, tg_reshape(y, TG_SHAPE(8, 12, 3, 2)), NULL, .dilation = {2, 1}));
    CONVOLUTION(one, tg_conv_transpose2d(channels_within(x), channels_within(tg_reshape(y, TG_SHAPE(8, 12, 3, 2))), z)); CONVOLUTION(one, tg_conv_transpose2d(x, tg_reshape(tg_slice(y, "0:10"), TG_SHAPE(8, 5, 3, 4)), tg_slice(z, "0:10"), .groups = 2));
    CONVOLUTION(0, tg_conv_transpose2d(x, tg_reshape(y, TG_SHAPE(8, 12, 3, 2)), z, .dilation = {3, 3}, .output_padding = {2, 2}));
    /* gradients: the forward pass is one, and of the two others as many as are asked for, which is both; that by data has few channels in a group */
    for (i = 0; i < 2; i++) {
        CONVOLUTION(3 * one, gradient(x, y, i, to_stride)); CONVOLUTION(2 * one, gradient(x, tg_reshape(tg_slice(y, "0:6"), TG_SHAPE(12, 4, 3, 2)), i, to_groups)); CONVOLUTION(3 * one, gradient(tg_reshape(x, TG_SHAPE(2, 12, 13, 8)), tg_reshape(tg_slice(y, "0:9"), TG_SHAPE(12, 6, 3, 2)), i, to_groups)); CONVOLUTION(3 * one, gradient(x, tg_reshape(y, TG_SHAPE(8, 12, 3, 2)), i, to_back));
        CONVOLUTION(3 * one, gradient(channels_within(x), y, i, to_stride)); CONVOLUTION(3 * one, gradient(channels_within(x), channels_within(y), i, to_stride)); CONVOLUTION(3 * one, gradient(x, tg_slice(y, ":, :, :, 1:"), i, to_stride));
    }
    /* one dimension, three */
    CONVOLUTION(one, tg_conv1d(tg_reshape(x, TG_SHAPE(4, 4, 156)), tg_reshape(tg_slice(y, ":10"), TG_SHAPE(12, 4, 10)), z, .stride = 3, .padding = 4, .dilation = 2)); CONVOLUTION(one, tg_conv1d(tg_transpose(tg_reshape(x, TG_SHAPE(4, 156, 4)), 1, 2), tg_reshape(tg_slice(y, ":10"), TG_SHAPE(12, 4, 10)), z));
    CONVOLUTION(one, tg_conv_transpose1d(tg_reshape(x, TG_SHAPE(4, 12, 52)), tg_reshape(y, TG_SHAPE(12, 12, 4)), z, .stride = 3, .output_padding = 2));
    CONVOLUTION(one, tg_conv3d(tg_reshape(x, TG_SHAPE(2, 4, 6, 13, 4)), tg_reshape(y, TG_SHAPE(12, 4, 2, 3, 2)), z, .stride = {2, 1, 2}, .padding = {1, 2, 0}, .dilation = {2, 1, 1})); CONVOLUTION(one, tg_conv3d(tg_reshape(x, TG_SHAPE(2, 8, 1, 13, 12)), tg_reshape(y, TG_SHAPE(12, 8, 1, 3, 2)), z));
    CONVOLUTION(one, tg_conv3d(tg_reshape(x, TG_SHAPE(2, 8, 1, 13, 12)), tg_reshape(y, TG_SHAPE(12, 8, 1, 3, 2)), z, .padding = {1, 0, 0})); CONVOLUTION(one, tg_conv3d(tg_reshape(x, TG_SHAPE(2, 8, 13, 12, 1)), tg_reshape(y, TG_SHAPE(12, 8, 3, 2, 1)), z));
    CONVOLUTION(one, tg_conv3d(tg_permute(tg_reshape(x, TG_SHAPE(2, 6, 13, 4, 4)), TG_DIMS(0, 4, 1, 2, 3)), tg_reshape(y, TG_SHAPE(12, 4, 2, 3, 2)), z));
    for (i = 0; i < 2; i++) CONVOLUTION(3 * one, gradient(tg_reshape(x, TG_SHAPE(2, 4, 6, 13, 4)), tg_reshape(y, TG_SHAPE(12, 4, 2, 3, 2)), i, to_depth));
    for (i = 0; dnn && one && i < 3; i++) CHECK_MSG(dnn->kinds[i] - kinds[i] >= 10, "kind %d: %d", i, dnn->kinds[i] - kinds[i]);
    if (dnn && one) CHECK(dnn->deep - deep >= 7 && dnn->channels - channels >= 10);
    CHECK_OK(t);
    tg_end(t, m);
}
static const struct { tg_dtype dtype; double most; } product_types[] = { { TG_F32, 2e-6 }, { TG_F64, 4e-15 }, { TG_F16, 2e-3 }, { TG_BF16, 1.6e-2 } };
static void convolutions(void) {
    char elsewhere[600];
    int i, kind, at;
    size_t k;
    for (kind = 0; kind < 8; kind++) {                                         /* eager; late; any order; refused: all, other bits each time; nobody wants it; not there; it is another library */
        tg_ctx *t;
        const bool none = kind == 3 || kind > 3;
        const int asked = dnn->asked;
        own_convolutions = refused_convolutions = 0; driver->lazy = kind < 3 ? kind : 0; dnn->refuse = kind == 3 ? 1 : kind == 4 ? 2 : 0;
        snprintf(elsewhere, sizeof elsewhere, "%s/%s", folder, kind == 6 ? "no_blas" : "old_dnn");
        t = open_loose(kind >= 6 ? elsewhere : folder, false, kind == 5);
        for (i = 0; i < 4; i++) convolution_cases(t, product_types[i].dtype, 2 * product_types[i].most, none ? 0 : 1);
        CHECK((dnn->asked > asked) == (kind < 5)); CHECK_INT(own_convolutions, kind >= 6); CHECK_INT(refused_convolutions, kind == 3 || kind == 4);
        if (kind == 3) CHECK_MSG(strstr(last_line, "the convolutions that cuDNN refuses by its own kernels; of the first it says: CUDNN_STATUS_NOT_SUPPORTED"), "%s", last_line);
        if (kind == 4) CHECK_MSG(strstr(last_line, "of the first it says: no way with the same bits each time and little memory"), "%s", last_line);
        if (kind == 6) CHECK_MSG(strstr(last_line, "by its own kernels: cuDNN is not found, as libcudnn.so.9, libcudnn.so.8, libcudnn.so in "), "%s", last_line);
        if (kind == 7) CHECK_MSG(strstr(last_line, "by its own kernels: cuDNN has no cudnnCreate; it is too old"), "%s", last_line);
        if (kind == 0) {                                                       /* each shape is asked for once, beside a product */
            tg_mark m = tg_begin(t);
            tg_tensor *x = tg_to_device(tg_randn(t, TG_SHAPE(1, 5, 7, 9)), TG_CUDA), *w = tg_to_device(tg_randn(t, TG_SHAPE(6, 5, 2, 2)), TG_CUDA);
            const int before = dnn->asked, made = dnn->products, products = blas->products;
            for (i = 0; i < 5; i++) CHECK(tg_conv2d(x, w, NULL) != NULL && tg_matmul(tg_reshape(x, TG_SHAPE(63, 5)), tg_reshape(w, TG_SHAPE(5, 24))) != NULL);
            CHECK(dnn->asked == before + 1 && dnn->products == made + 5 && blas->products == products + 5);
            tg_end(t, m);
        }
        test_close(t);
        nothing_left("convolutions");
    }
    driver->lazy = dnn->refuse = 0;
    /* the cases that every device runs, with their derivatives of any order */
    {
        const int before = dnn->products;
        tg = open_loose(folder, false, false);
        for (k = 0; k < sizeof larger / sizeof *larger; k++) if (strncmp(larger[k].called, "conv", 4) == 0) ops_of(&larger[k], 1, floats_here, 4);
        test_close(tg);
        CHECK_MSG(dnn->products - before > 200, "%d by the library", dnn->products - before);
        nothing_left("convolutions of every device");
    }
    /* TF32: only when it is asked for, only f32, only on cards that have it */
    for (kind = 0; kind < 3; kind++) {
        tg_ctx *t;
        tg_tensor *x, *w, *y, *v;
        const int before = dnn->tf32;
        driver->capability = compiler->capability = kind == 2 ? 75 : 80;
        t = open_loose(folder, kind > 0, false);
        x = tg_rand(t, TG_SHAPE(2, 16, 8, 8)); w = tg_rand(t, TG_SHAPE(16, 16, 3, 3)); y = tg_to_device(x, TG_CUDA); v = tg_to_device(w, TG_CUDA);
        CHECK((apart(tg_conv2d(x, w, NULL), home(tg_conv2d(y, v, NULL))) > 1e-5) == (kind == 1));
        x = tg_to(x, TG_F64); y = tg_to(y, TG_F64); w = tg_to(w, TG_F64); v = tg_to(v, TG_F64);
        CHECK(apart(tg_conv2d(x, w, NULL), home(tg_conv2d(y, v, NULL))) < 1e-14);
        CHECK_INT(dnn->tf32, before + (kind == 1)); CHECK_OK(t);
        test_close(t);
    }
    driver->capability = compiler->capability = 80;
    /* strict: not the library */
    {
        tg_ctx *t = open_strict();
        tg_tensor *x = tg_randn(t, TG_SHAPE(2, 4, 9, 9)), *w = tg_randn(t, TG_SHAPE(6, 4, 3, 3));
        const int before = dnn->products;
        CHECK(tg_cuda_open(t, 0, .folder = folder));
        CHECK(apart(tg_conv2d(x, w, NULL), home(tg_conv2d(tg_to_device(x, TG_CUDA), tg_to_device(w, TG_CUDA), NULL))) < 2e-6); CHECK_INT(dnn->products, before);
        test_close(t);
    }
    each_call_fails(&failing_convolutions, dnn);
    /* the driver's calls around it, and a wait that finds what failed before */
    for (at = 1, i = 0; !i; at++) {
        tg_ctx *t = open_loose(folder, false, false);
        tg_tensor *x = tg_to_device(channels_within(tg_randn(t, TG_SHAPE(2, 6, 7, 8))), TG_CUDA), *w = tg_to_device(tg_randn(t, TG_SHAPE(8, 6, 3, 3)), TG_CUDA), *b = tg_to_device(tg_randn(t, TG_SHAPE(8)), TG_CUDA);
        driver->calls = 0; driver->fail_at = at; driver->code = 700; driver->failed[0] = 0;
        if (!home(tg_conv2d(x, w, b)) || !home(gradient(x, w, 1, to_stride))) { CHECK_MSG(strstr(tg_error_text(t), driver->failed), "%s is not named: %s", driver->failed, tg_error_text(t)); tg_clear(t); }
        i = driver->calls < at && !driver->failed[0];
        driver->fail_at = 0;
        test_close(t);
        nothing_left(driver->failed);
    }
    /* no room for the library's own memory */
    {
        tg_config c;
        tg_ctx *t;
        tg_tensor *x, *w;
        const int before = dnn->products;
        memset(&c, 0, sizeof c);
        t = tg_open(&c);
        CHECK(tg_cuda_open(t, 0, .folder = folder, .memory_limit = 5200));
        x = tg_ones(t, TG_SHAPE(1, 5, 4, 4)); w = tg_ones(t, TG_SHAPE(6, 5, 2, 2));
        CHECK(same(tg_conv2d(x, w, NULL), home(tg_conv2d(tg_to_device(x, TG_CUDA), tg_to_device(w, TG_CUDA), NULL)))); CHECK_INT(dnn->products, before); CHECK_OK(t);
        test_close(t);
        nothing_left("no room for convolutions");
    }
}
/* On a card: what the tests have seen on the fake driver, with the real ones. */
static void card(void) {
    static const double most[] = { 2e-5, 2e-14, 4e-3, 3e-2 }, most_convolved[] = { 1e-4, 1e-13, 4e-3, 3e-2 };      /* transforms (Winograd's, Fourier's) round more */
    static const tg_dtype types[] = { TG_F32, TG_F64, TG_F16, TG_BF16 };
    char made[] = "/tmp/tg_programs_XXXXXX";
    struct timespec begin, end;
    tg_ctx *t;
    tg_tensor *x, *y, *w, *v, *host;
    int i, k, tf32;
    guest();
    for (tf32 = 0; tf32 < 2; tf32++) {
        t = open_loose(NULL, tf32 != 0, false);
        for (i = tf32 ? 1 : 0; i < 4; i++) { product_cases(t, types[i], most[i], 0, 0); convolution_cases(t, types[i], most_convolved[i], 0); }
        x = tg_rand(t, TG_SHAPE(2, 64, 20, 20)); y = tg_to_device(x, TG_CUDA); w = tg_rand(t, TG_SHAPE(64, 64, 3, 3)); v = tg_to_device(w, TG_CUDA);
        printf("convolutions by %s; f32 %s: %.1e of the largest apart\n", tg__cu_of(t)->dnn.handle ? "cuDNN" : "this file", tf32 ? "in TF32" : "as it is", apart(tg_conv2d(x, w, NULL), home(tg_conv2d(y, v, NULL))));
        for (i = 0; i < 3; i++) {                                              /* the same bits */
            tg_tensor *first = home(i ? gradient(y, v, i - 1, to_stride) : tg_conv2d(y, v, NULL));
            for (k = 0; k < 5; k++) CHECK(same(first, home(i ? gradient(y, v, i - 1, to_stride) : tg_conv2d(y, v, NULL))));
        }
        x = tg_rand(t, TG_SHAPE(100, 300)); y = tg_to_device(x, TG_CUDA);
        printf("products by %s; f32 %s: %.1e of the largest apart\n", tg__cu_of(t)->blas.handle ? "cuBLASLt" : "this file", tf32 ? "in TF32" : "as it is", apart(tg_matmul(x, tg_t(x)), home(tg_matmul(y, tg_t(y)))));
        y = home(tg_matmul(y, tg_t(y)));
        for (i = 0; i < 5; i++) CHECK(same(y, home(tg_matmul(tg_to_device(x, TG_CUDA), tg_t(tg_to_device(x, TG_CUDA))))));      /* the same bits */
        CHECK_OK(t);
        test_close(t);
    }
    /* copies of all sizes, over each other, while work goes on */
    t = open_strict();
    CHECK(tg_cuda_open(t, 0));
    for (i = 0; i < 30; i++) {
        tg_mark m = tg_begin(t);
        const int64_t n = (int64_t)1000 << i % 12;
        host = tg_add_scalar(tg_arange(t, 0, (double)n, 1, TG_F32), i);
        x = tg_to_device(host, TG_CUDA); y = tg_neg(x);
        { tg_mark inner = tg_begin(t); (void)tg_to_device(host, TG_CUDA); tg_end(t, inner); }
        x = tg_to_device(host, TG_CUDA);
        CHECK(same(host, home(tg_neg(y))) && same(host, home(x))); CHECK_OK(t);
        tg_end(t, m);
    }
    CHECK(tg_memory(t).device_cached > 0);
    tg_trim(t);
    CHECK(tg_memory(t).device_cached == 0);
    test_close(t);
    /* programs on disk: the second time is short */
    CHECK(mkdtemp(made) != NULL);
    for (i = 0; i < 2; i++) {
        t = open_strict();
        CHECK_MSG(tg_cuda_open(t, 0, .cache = made), "%s", tg_error_text(t));
        clock_gettime(CLOCK_MONOTONIC, &begin);
        CHECK_MSG(work(t), "%s", tg_error_text(t));
        clock_gettime(CLOCK_MONOTONIC, &end);
        printf("a step of training with programs %s: %.0f ms\n", i ? "from disk" : "compiled", 1e3 * (double)(end.tv_sec - begin.tv_sec) + 1e-6 * (double)(end.tv_nsec - begin.tv_nsec));
        test_close(t);
    }
    snprintf(kept, sizeof kept, "%s", made);
    CHECK(kept_files(true) > 5);
    rmdir(made);
}
static void products(void) {
    char no_blas[600];
    int i, kind;
    for (kind = 0; kind < 7; kind++) {                                         /* eager; late; any order; refused: all, biases; nobody wants it; not there */
        tg_ctx *t;
        snprintf(no_blas, sizeof no_blas, "%s/no_blas", folder);
        own_products = 0; driver->lazy = kind < 3 ? kind : 0; blas->refuse = kind == 3 ? 1 : kind == 4 ? 2 : 0;
        t = open_loose(kind == 6 ? no_blas : folder, false, kind == 5);
        for (i = 0; i < 4; i++) product_cases(t, product_types[i].dtype, product_types[i].most, kind == 3 || kind > 4 ? 0 : 1, kind == 3 || kind > 4 ? 0 : -1);
        if (kind == 0) {                                                       /* each shape is asked for once */
            tg_mark m = tg_begin(t);
            tg_tensor *x = tg_to_device(tg_randn(t, TG_SHAPE(33, 44)), TG_CUDA), *y = tg_to_device(tg_randn(t, TG_SHAPE(44, 11)), TG_CUDA);
            const int asked = blas->asked, made = blas->products;
            for (i = 0; i < 5; i++) CHECK(tg_matmul(x, y) != NULL);
            CHECK(blas->asked == asked + 1 && blas->products == made + 5);
            for (i = 0; i < 1200; i++) {                                       /* more shapes than are kept */
                tg_mark inner = tg_begin(t);
                const int rows = 1 + i % 33, k = 1 + i / 33;
                CHECK(tg_matmul(tg_narrow(tg_narrow(x, 0, 0, rows), 1, 0, k), tg_narrow(y, 0, 0, k)) != NULL);
                tg_end(t, inner);
            }
            CHECK_INT(blas->asked, asked + 1 + 1200);
            CHECK(blas->layouts < 4 * 1024 + 8);
            CHECK_OK(t);
            tg_end(t, m);
        }
        CHECK_INT(own_products, kind == 6);
        if (kind == 6) CHECK(strstr(last_line, "cuBLASLt is not found, as libcublasLt.so.13, libcublasLt.so.12, libcublasLt.so.11, libcublasLt.so in ") != NULL);
        test_close(t);
        nothing_left("products");
    }
    driver->lazy = blas->refuse = 0;
    /* TF32: only when it is asked for, only f32, only on cards that have it */
    for (kind = 0; kind < 3; kind++) {
        tg_ctx *t;
        tg_tensor *x, *y;
        const int before = blas->tf32;
        driver->capability = kind == 2 ? 75 : 80;
        compiler->capability = kind == 2 ? 75 : 80;
        t = open_loose(folder, kind > 0, false);
        x = tg_rand(t, TG_SHAPE(40, 64)); y = tg_to_device(x, TG_CUDA);
        CHECK((apart(tg_matmul(x, tg_t(x)), home(tg_matmul(y, tg_t(y)))) > 1e-5) == (kind == 1));
        x = tg_to(x, TG_F64); y = tg_to(y, TG_F64);
        CHECK(apart(tg_matmul(x, tg_t(x)), home(tg_matmul(y, tg_t(y)))) < 1e-14);
        CHECK_INT(blas->tf32, before + (kind == 1)); CHECK_OK(t);
        test_close(t);
    }
    driver->capability = compiler->capability = 80;
    /* strict: the CPU's bits */
    {
        tg_ctx *t = open_strict();
        tg_tensor *x = tg_randn(t, TG_SHAPE(40, 600)), *y;
        const int before = blas->products;
        CHECK(tg_cuda_open(t, 0, .folder = folder));
        y = tg_to_device(x, TG_CUDA);
        CHECK(same(tg_matmul(x, tg_t(x)), home(tg_matmul(y, tg_t(y))))); CHECK_INT(blas->products, before);
        test_close(t);
    }
    each_call_fails(&failing_products, blas);
    /* no room for the library's own memory */
    {
        tg_config c;
        tg_ctx *t;
        tg_tensor *x, *y;
        int before = blas->products;
        memset(&c, 0, sizeof c);
        t = tg_open(&c);
        CHECK(tg_cuda_open(t, 0, .folder = folder, .memory_limit = 5200));
        x = tg_ones(t, TG_SHAPE(8, 8)); y = tg_to_device(x, TG_CUDA);
        CHECK(same(tg_matmul(x, x), home(tg_matmul(y, y)))); CHECK_INT(blas->products, before); CHECK_OK(t);
        test_close(t);
        nothing_left("no room for products");
    }
}

/* ---- programs on disk ---- */

static int kept_files(bool remove_them) {
    DIR *d = opendir(kept);
    struct dirent *e;
    int n = 0;
    while (d && (e = readdir(d)) != NULL) {
        char path[1200];
        if (e->d_name[0] == '.' && strncmp(e->d_name, ".tg-", 4) != 0) continue;
        CHECK_MSG(strstr(e->d_name, ".cuda") != NULL, "a file %s was left", e->d_name);
        snprintf(path, sizeof path, "%s/%s", kept, e->d_name);
        if (remove_them) unlink(path);
        n++;
    }
    if (d) closedir(d);
    return n;
}
/* How many programs are compiled for one operation, whose result is right. */
static int one_program(int other) {
    const int before = compiler->compiled;
    tg_ctx *t = open_strict();
    tg_tensor *x;
    CHECK_MSG(tg_cuda_open(t, 0, .folder = folder, .cache = kept), "%s", tg_error_text(t));
    x = tg_to_device(tg_full(t, TG_SHAPE(5), 3, TG_F32), TG_CUDA);
    x = home(other ? tg_square(x) : tg_neg(x));
    CHECK(x && ((float *)x->data)[4] == (other ? 9 : -3)); CHECK_OK(t);
    test_close(t);
    nothing_left("a program on disk");
    return compiler->compiled - before;
}
static bool file_put(const char *path, const char *data, size_t size) { FILE *f = fopen(path, "wb"); const bool ok = f && fwrite(data, 1, size, f) == size; return f && fclose(f) == 0 && ok; }
static char *file_get(const char *path, size_t *size) {
    FILE *f = fopen(path, "rb");
    char *p = (char *)malloc(1 << 22);
    *size = f ? fread(p, 1, 1 << 22, f) : 0;
    if (f) fclose(f);
    return p;
}
static void only_file(char *path) {
    DIR *d = opendir(kept);
    struct dirent *e;
    path[0] = 0;
    while (d && (e = readdir(d)) != NULL) if (strncmp(e->d_name, "tg-", 3) == 0) snprintf(path, 1200, "%s/%s", kept, e->d_name);
    if (d) closedir(d);
}
/* A host that keeps files in memory. */
typedef struct file_store { char name[64][700]; char *data[64]; size_t size[64]; int n, reads; bool full; } file_store;
static int file_at(const file_store *f, const char *path) { int i; for (i = 0; i < f->n && strcmp(f->name[i], path) != 0; i++) { } return i; }
static bool store_read(void *user, tg_ctx *t, const char *path, void **data, size_t *size) {
    file_store *f = (file_store *)user;
    const int i = file_at(f, path);
    if (i == f->n) return false;
    *data = tg__hook_alloc(t, f->size[i]); *size = f->size[i];
    if (*data) memcpy(*data, f->data[i], f->size[i]);
    f->reads++;
    return *data != NULL;
}
static bool store_write(void *user, const char *path, const void *const *parts, const size_t *sizes, int n) {
    file_store *f = (file_store *)user;
    const int i = file_at(f, path);
    size_t size = 0;
    int k;
    if (f->full || i == 64) return false;
    for (k = 0; k < n; k++) size += sizes[k];
    if (i == f->n) { snprintf(f->name[f->n++], 700, "%s", path); f->data[i] = NULL; }
    free(f->data[i]);
    f->data[i] = (char *)malloc(size); f->size[i] = size;
    for (k = 0, size = 0; k < n; k++) { memcpy(f->data[i] + size, parts[k], sizes[k]); size += sizes[k]; }
    return true;
}
static void programs(void) {
    static file_store store;
    char path[1200], other[1200];
    char *good, *now;
    size_t size, at, length;
    int compiled, i, files, count;
    tg_ctx *t;
    snprintf(kept, sizeof kept, "%s/programs", folder);
    mkdir(kept, 0777);
    kept_files(true);
    count = one_program(0); CHECK_INT(count, 1); count = kept_files(false); CHECK_INT(count, 1);
    count = one_program(0); CHECK_INT(count, 0);
    only_file(path);
    good = file_get(path, &size);
    CHECK(size > 10000);
    /* one byte of it is another; it is shorter, longer, empty: made anew, and whole again */
    for (at = 0; at < size; at += at < 64 ? 1 : at < size - 20 ? (size - 20 - at < size / 100 ? size - 20 - at : size / 100) : 1) {
        good[at] ^= (char)(1 << at % 8); CHECK(file_put(path, good, size)); good[at] ^= (char)(1 << at % 8);
        CHECK_MSG(one_program(0) == 1, "byte %zu of %zu", at, size);
        now = file_get(path, &length);
        CHECK_MSG(length == size && memcmp(now, good, size) == 0, "byte %zu: the file is not mended", at);
        free(now);
    }
    for (i = 0; i < 9; i++) {
        static const size_t lengths[] = { 0, 1, 8, 47, 48, 49, 1000, 0, 0 };
        length = i == 7 ? size - 1 : i == 8 ? size + 1 : lengths[i];
        now = (char *)calloc(1, size + 1); memcpy(now, good, size);
        CHECK(file_put(path, now, length)); free(now);
        CHECK_MSG(one_program(0) == 1, "%zu of %zu bytes", length, size);
    }
    /* another program under its name */
    rename(path, "build/cuda/first_program"); count = one_program(1); CHECK_INT(count, 1); only_file(other); now = file_get(other, &length); CHECK(strcmp(other, path) != 0);
    CHECK(file_put(path, now, length)); free(now);
    count = one_program(0); CHECK_INT(count, 1); count = one_program(1); CHECK_INT(count, 0); count = kept_files(true); CHECK_INT(count, 2);
    unlink("build/cuda/first_program");
    free(good);
    /* versions and architectures are part of the key, architectures of the name too */
    count = one_program(0); CHECK_INT(count, 1); count = one_program(0); CHECK_INT(count, 0);
    compiler->version = 1; count = one_program(0); CHECK_INT(count, 1); count = one_program(0); CHECK_INT(count, 0);
    driver->version = 1; count = one_program(0); CHECK_INT(count, 1); count = one_program(0); CHECK_INT(count, 0);
    driver->capability = compiler->capability = 103; count = one_program(0); CHECK_INT(count, 1); count = one_program(0); CHECK_INT(count, 0);
    driver->capability = compiler->capability = 80; compiler->version = driver->version = 0;
    count = one_program(0); CHECK_INT(count, 1); count = kept_files(true); CHECK_INT(count, 2);
    {
        static const char *const one[] = { "--gpu-architecture=sm_80", "--fmad=false", "--std=c++14" }, *const two[] = { "--gpu-architecture=sm_80", "--fmad=true", "--std=c++14" }, *const three[] = { "--gpu-architecture=sm_8", "0--fmad=false", "--std=c++14" };
        static tg__cu s;
        tg__cu_place a, b, c, d;
        s.cache = kept;
        CHECK(!tg__cu_place_of(&s, "text", one, &a));                          /* nobody knows what compiles */
        s.versions[0] = 12;
        CHECK(tg__cu_place_of(&s, "text", one, &a) && tg__cu_place_of(&s, "text", two, &b) && tg__cu_place_of(&s, "text", three, &c) && tg__cu_place_of(&s, "text ", one, &d));
        CHECK(strcmp(a.path, b.path) != 0 && strcmp(a.path, c.path) != 0 && strcmp(a.path, d.path) != 0 && strcmp(b.path, c.path) != 0);
        memset(path, 'x', 700); path[700] = 0; s.cache = path; CHECK(!tg__cu_place_of(&s, "text", one, &a));
    }
    /* a whole step; a second run compiles nothing and has the same bits; several processes at once */
    for (i = 0; i < 2; i++) {
        compiled = compiler->compiled; t = open_strict();
        CHECK(begin_work(t, kept));
        test_close(t);
        CHECK(i == 0 ? compiler->compiled - compiled > 5 : compiler->compiled == compiled);
    }
    /* without NVRTC: what is kept, by whatever versions, and nothing else */
    snprintf(other, sizeof other, "%s/only_driver", folder);
    t = open_strict();
    CHECK(!tg_cuda_open(t, 0, .folder = other, .no_nvrtc = true)); CHECK(strstr(tg_error_text(t), ".cache, which is not given") != NULL); CHECK_ERROR(t, TG_ERROR_UNSUPPORTED);
    driver->version = 1;
    CHECK_MSG(tg_cuda_open(t, 0, .folder = other, .cache = kept, .no_nvrtc = true) && work(t), "%s", tg_error_text(t));
    driver->version = 0;
    CHECK(!tg_erf(tg_to_device(tg_ones(t, TG_SHAPE(2)), TG_CUDA))); CHECK(strstr(tg_error_text(t), "keeps no program that a kernel needs, for compute capability 8.0") != NULL); CHECK_ERROR(t, TG_ERROR_UNSUPPORTED);
    CHECK(work(t)); CHECK_OK(t);
    test_close(t);
    nothing_left("kept programs alone");
    files = kept_files(true);
    for (i = 0; i < 3; i++) {
        pid_t child[3];
        int k, status = 0;
        fflush(stdout);
        for (k = 0; k < 3; k++) {
            child[k] = fork();
            if (child[k] == 0) { t = open_strict(); status = begin_work(t, kept) ? 0 : 1; _exit(status); }
        }
        for (k = 0; k < 3; k++) CHECK(child[k] > 0 && waitpid(child[k], &status, 0) == child[k] && WIFEXITED(status) && WEXITSTATUS(status) == 0);
        compiled = compiler->compiled; t = open_strict();
        CHECK(begin_work(t, kept)); CHECK_INT(compiler->compiled, compiled);
        test_close(t);
        count = kept_files(i < 2); CHECK_INT(count, files);
    }
    failing_calls(driver, "the driver, with programs on disk", kept);
    failing_allocations(kept);
    kept_files(true);
    failing_allocations(kept);
    kept_files(true);
    /* no such folder, no folder, one that nobody may write: said once, and no more */
    for (i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s%s", i == 0 ? "" : folder, i == 0 ? "/nowhere/at/all" : i == 1 ? "/libcuda.so.1" : "/programs");
        if (i == 2 && (geteuid() == 0 || chmod(kept, 0555) != 0)) continue;
        t = open_strict(); cannot_keep = 0;
        CHECK(begin_work(t, path)); CHECK_INT(cannot_keep, 1);
        test_close(t);
        nothing_left("no folder for programs");
        if (i == 2) chmod(kept, 0777);
    }
    /* the host's own files */
    for (i = 0; i < 4; i++) {
        tg_config c;
        memset(&c, 0, sizeof c);
        c.hooks.file_read = store_read; c.hooks.file_write = store_write; c.hooks.file_user = &store; c.hooks.log = log_hook;
        compiled = compiler->compiled; cannot_keep = 0; store.full = i == 3;
        if (i == 2) for (at = 0; at < (size_t)store.n; at++) store.data[at][store.size[at] / 2] ^= 1;
        if (i == 3) store.n = 0;
        t = tg_open(&c);
        CHECK(begin_work(t, "anywhere"));
        test_close(t);
        CHECK(i == 1 ? compiler->compiled == compiled && store.reads == store.n : compiler->compiled > compiled);
        CHECK(i == 3 ? store.n == 0 && cannot_keep == 1 : store.n > 5);
    }
    for (i = 0; i < 64; i++) free(store.data[i]);
}

/* ---- the host's own CUDA code: on the fake driver, and on a GPU ---- */

static tg_ctx *guest_open(void *stream) {
    tg_ctx *t = open_strict();
    CHECK_MSG(tg_cuda_open(t, 0, .folder = folder, .stream = stream), "%s", tg_error_text(t));
    return t;
}
static void guest(void) {
    static char somewhere[64];
    tg_ctx *t = open_strict(), *first;
    const tg__cu *s;
    int (*current)(void **context);
    void *now = NULL, *stream = NULL, *pinned_too = NULL, *own = NULL;
    tg__cu_address p = 0;
    float numbers[600], back[600];
    tg_tensor *x, *y, *z;
    tg_mark m;
    size_t held;
    int i, lazy;
    for (i = 0; i < 600; i++) numbers[i] = (float)i;
    CHECK(!tg_cuda_wrap(t, TG_SHAPE(2), TG_F32, numbers)); CHECK_ERROR(t, TG_ERROR_UNSUPPORTED);
    CHECK(!tg_cuda_stream(t)); CHECK_ERROR(t, TG_ERROR_UNSUPPORTED);
    CHECK(!tg_cuda_wait(t)); CHECK_ERROR(t, TG_ERROR_UNSUPPORTED);
    test_close(t);
    first = guest_open(NULL);                                                  /* keeps the GPU's context while others come and go */
    s = tg__cu_of(first);
    CHECK(tg__cu_symbol(s->driver, "cuCtxGetCurrent", &current));
    if (driver) { driver->host = own = somewhere; CHECK(s->d.push(own) == 0 && driver->top == own); }      /* a context of the host's own */
    else CHECK(s->d.push(s->context) == 0 && s->d.stream_new(&stream, 1) == 0 && s->d.pop(&now) == 0);
    if (driver) CHECK(s->d.push(s->context) == 0 && s->d.stream_new(&stream, 1) == 0 && s->d.pop(&now) == 0);
    CHECK(s->d.push(s->context) == 0 && s->d.alloc(&p, sizeof numbers) == 0 && s->d.pin(&pinned_too, 4096, 0) == 0 && s->d.pop(&now) == 0);
#define HOSTS(statement) do { statement; now = somewhere + 1; CHECK_MSG(current(&now) == 0 && now == own, "another context after: %s", #statement); } while (0)
    for (lazy = 0; lazy < 3; lazy++) {                                         /* 2: on the host's stream */
        if (driver) driver->lazy = lazy > 0;
        HOSTS(t = guest_open(lazy == 2 ? stream : NULL));
        HOSTS(held = tg_memory(t).device);
        m = tg_begin(t);
        HOSTS(CHECK(tg_cuda_stream(t) != NULL && (tg_cuda_stream(t) == stream) == (lazy == 2)));
        CHECK(s->d.push(s->context) == 0 && s->d.in(p, numbers, sizeof numbers, tg_cuda_stream(t)) == 0 && s->d.pop(&now) == 0);
        HOSTS(x = tg_cuda_wrap(t, TG_SHAPE(6, 100), TG_F32, (void *)(uintptr_t)p));
        if (!CHECK_MSG(x && x->device == TG_CUDA && !x->data, "%s", tg_error_text(t))) return;
        CHECK(tg_cuda_data(x) == (void *)(uintptr_t)p);
        HOSTS(CHECK(tg_cuda_data(tg_slice(x, "2, 7:")) == (void *)(uintptr_t)(p + 4 * 207)));
        CHECK_INT(tg_memory(t).device, held);                                  /* it is the host's */
        HOSTS(CHECK(tg_item(tg_sum(x)) == 599 * 300));
        HOSTS(CHECK(tg_item(tg_amax(tg_t(x))) == 599));
        HOSTS(CHECK(tg_add_(tg_slice(x, "0:2"), tg_number(t, 1000)) != NULL));
        HOSTS(tg_cuda_wait(t));
        CHECK(s->d.push(s->context) == 0 && s->d.out(back, p, sizeof back, tg_cuda_stream(t)) == 0 && s->d.wait(tg_cuda_stream(t)) == 0 && s->d.pop(&now) == 0);
        CHECK(back[0] == 1000 && back[199] == 1199 && back[200] == 200 && back[599] == 599);
        /* work of the host's on our stream: between what was asked before and what is asked after it */
        HOSTS(y = tg_to_device(tg_full(t, TG_SHAPE(600), 1, TG_F32), TG_CUDA));
        HOSTS(z = tg_mul_scalar(y, 2));
        CHECK(s->d.push(s->context) == 0 && s->d.within(p, (tg__cu_address)(uintptr_t)tg_cuda_data(z), sizeof numbers, tg_cuda_stream(t)) == 0 && s->d.pop(&now) == 0);
        HOSTS(x = tg_add_scalar(x, 1));
        HOSTS(CHECK(tg_item(tg_sum(x)) == 1800));
        HOSTS(y = tg_to_device(tg_full(t, TG_SHAPE(40000), 5, TG_F32), TG_CUDA));      /* page-locked */
        CHECK(s->d.push(s->context) == 0 && s->d.within(p, (tg__cu_address)(uintptr_t)tg_cuda_data(y) + 8000, sizeof numbers, tg_cuda_stream(t)) == 0 && s->d.pop(&now) == 0);
        HOSTS(x = tg_cuda_wrap(t, TG_SHAPE(3), TG_F32, (void *)(uintptr_t)(p + 40)));
        CHECK(tg_item(tg_sum(x)) == 15);
        /* gradients, other types, nothing at all */
        HOSTS(x = tg_require_grad(tg_cuda_wrap(t, TG_SHAPE(20, 5), TG_F32, (void *)(uintptr_t)p), true));
        HOSTS(tg_backward(tg_sum(tg_square(x))));
        HOSTS(CHECK(tg_grad_of(x) && tg_item(tg_sum(tg_grad_of(x))) == 1000));
        HOSTS(x = tg_cuda_wrap(t, TG_SHAPE(4), TG_I32, (void *)(uintptr_t)(p + 4))); CHECK(tg_item_i64(tg_amax(x)) == 0x40a00000);
        HOSTS(x = tg_cuda_wrap(t, TG_SHAPE(0, 3), TG_F32, NULL)); CHECK(x && x->numel == 0);
        /* what is none of it */
        HOSTS(CHECK(!tg_cuda_wrap(t, TG_SHAPE(2), TG_F32, numbers))); CHECK(strstr(tg_error_text(t), "cuda_wrap: data is no memory of this GPU") != NULL); CHECK_ERROR(t, TG_ERROR_VALUE);
        HOSTS(CHECK(!tg_cuda_wrap(t, TG_SHAPE(2), TG_F32, pinned_too))); CHECK(strstr(tg_error_text(t), "the host's or another GPU's") != NULL); CHECK_ERROR(t, TG_ERROR_VALUE);
        HOSTS(CHECK(!tg_cuda_wrap(t, TG_SHAPE(2), TG_F32, NULL))); CHECK_ERROR(t, TG_ERROR_NULL);
        HOSTS(CHECK(!tg_cuda_wrap(t, TG_SHAPE(2), TG_F32, (void *)(uintptr_t)(p + 2)))); CHECK_ERROR(t, TG_ERROR_VALUE);
        HOSTS(CHECK(!tg_cuda_data(tg_ones(t, TG_SHAPE(2))))); CHECK_ERROR(t, TG_ERROR_UNSUPPORTED);
        CHECK(!tg_cuda_data(NULL));
        if (driver) { driver->late = 700; HOSTS(CHECK(!tg_cuda_wait(t))); CHECK(strstr(tg_error_text(t), "cuda_wait: device 'cuda' failed: cuStreamSynchronize: CUDA_ERROR_ILLEGAL_ADDRESS") != NULL); CHECK_ERROR(t, TG_ERROR_UNSUPPORTED); }
        HOSTS(CHECK(!tg_matmul(y, y) || tg_cuda_wait(t))); tg_clear(t);
        tg_end(t, m);
        HOSTS(test_close(t));
    }
    if (driver) { CHECK(s->d.pop(&now) == 0 && now == own); driver->host = NULL; driver->lazy = 0; }
    CHECK(s->d.push(s->context) == 0 && s->d.release(p) == 0 && s->d.stream_free(stream) == 0 && s->d.unpin(pinned_too) == 0 && s->d.pop(&now) == 0);
    test_close(first);
    if (driver) nothing_left("the host's own");
}

static void missing(void) {
    char only_driver[600];
    tg_ctx *t = open_strict();
    CHECK(!tg_cuda_open(t, 0, .folder = "/nowhere")); CHECK(strstr(tg_error_text(t), "cuda_open: no CUDA: the driver's library is not found, as libcuda.so.1, libcuda.so in /nowhere (") != NULL); CHECK_ERROR(t, TG_ERROR_UNSUPPORTED);
    snprintf(only_driver, sizeof only_driver, "%s/only_driver", folder);
    CHECK(!tg_cuda_open(t, 0, .folder = only_driver)); CHECK(strstr(tg_error_text(t), "NVRTC, the compiler, is not found, as libnvrtc.so.13, libnvrtc.so.12") != NULL); CHECK_ERROR(t, TG_ERROR_UNSUPPORTED);
    snprintf(only_driver, sizeof only_driver, "%s/too_old", folder);
    CHECK(!tg_cuda_open(t, 0, .folder = only_driver)); CHECK(strstr(tg_error_text(t), "the driver has no cuInit; it is too old") != NULL); CHECK_ERROR(t, TG_ERROR_UNSUPPORTED);
    CHECK(!tg_cuda_open(t, 1, .folder = folder)); CHECK(strstr(tg_error_text(t), "there is no GPU number 1 of 1") != NULL); CHECK_ERROR(t, TG_ERROR_UNSUPPORTED);
    driver->devices = 1; CHECK(!tg_cuda_open(t, 0, .folder = folder)); CHECK_ERROR(t, TG_ERROR_UNSUPPORTED); driver->devices = 0;
    driver->capability = compiler->capability = 70; CHECK(!tg_cuda_open(t, 0, .folder = folder)); CHECK(strstr(tg_error_text(t), "below 7.5") != NULL); CHECK_ERROR(t, TG_ERROR_UNSUPPORTED);
    /* newer than NVRTC: PTX of the newest that it knows */
    driver->capability = compiler->capability = 103; CHECK(tg_cuda_open(t, 0, .folder = folder) && work(t)); CHECK_OK(t);
    driver->capability = compiler->capability = 80;
    CHECK(!tg_to_device(tg_ones(t, TG_SHAPE(2)), (tg_device)2)); CHECK_ERROR(t, TG_ERROR_UNSUPPORTED);
    test_close(t);
    nothing_left("missing");
    CHECK(tg_cuda_name(NULL) == NULL);
}

/* How fast a few operations are, by kernels that are compiled already; each run's end is waited for by a read. */
static tg_tensor *attended_long(tg_tensor *const *x, int n) { (void)n; return tg_scaled_dot_product_attention(x[0], x[1], x[2], .is_causal = true); }
static tg_tensor *attended_and_back(tg_tensor *const *in, int n) {
    tg_tensor *x[3], *dx[3], *y, *g;
    int i;
    for (i = 0; i < n; i++) x[i] = tg_require_grad(tg_detach(in[i]), true);
    y = attended_long(x, n); g = in[0];                                          /* any numbers of y's shape */
    return y && tg_grad(&y, 1, x, n, dx, .grad_outputs = &g) ? dx[0] : NULL;
}
static tg_tensor *conv_of_3(tg_tensor *const *x, int n) { (void)n; return tg_conv2d(x[0], x[1], NULL, .padding = {1, 1}); }
static tg_tensor *conv_of_3_and_back(tg_tensor *const *in, int n) {
    tg_tensor *x[2], *dx[2], *y;
    int i;
    for (i = 0; i < n; i++) x[i] = tg_require_grad(tg_detach(in[i]), true);
    y = conv_of_3(x, n);
    return y && tg_grad(&y, 1, x, n, dx, .grad_outputs = in) ? dx[1] : NULL;     /* as many channels as filters: any numbers of y's shape */
}
static tg_tensor *multiplied(tg_tensor *const *x, int n) { (void)n; return tg_matmul(x[0], x[1]); }
static tg_tensor *squared(tg_tensor *const *x, int n) { (void)n; return tg_square(x[0]); }
static tg_tensor *summed(tg_tensor *const *x, int n) { (void)n; return tg_sum(x[0]); }
static tg_tensor *softened(tg_tensor *const *x, int n) { (void)n; return tg_softmax(x[0], 1); }
static tg_tensor *sorted_rows(tg_tensor *const *x, int n) { (void)n; return tg_sort(x[0], 1, false, NULL); }
static tg_tensor *summed_so_far(tg_tensor *const *x, int n) { (void)n; return tg_cumsum(x[0], 1); }
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec; }
/* strict: this file's kernels without matrix units; else what differs there, products, convolutions and attention of halves */
static void times(bool strict) {
    static const struct { const char *what; op_fn f; int n, ndim[3]; int64_t shape[3][4]; double bytes, flops; tg_dtype dtype; } runs[] = {
        { "x * x, f32, 64 M", squared, 1, { 1 }, { { 64 << 20 } }, 8. * (64 << 20), 0, TG_F32 },
        { "sum, f32, 64 M", summed, 1, { 1 }, { { 64 << 20 } }, 4. * (64 << 20), 0, TG_F32 },
        { "softmax, 8192 x 4096", softened, 1, { 2 }, { { 8192, 4096 } }, 8. * (8192 * 4096), 0, TG_F32 },
        { "layer norm, 8192 x 4096", norm_layer, 2, { 2, 1 }, { { 8192, 4096 }, { 4096 } }, 8. * (8192 * 4096), 0, TG_F32 },
        { "cumsum, 1024 x 16384", summed_so_far, 1, { 2 }, { { 1024, 16384 } }, 8. * (1024 * 16384), 0, TG_F32 },
        { "sort, 256 x 65536", sorted_rows, 1, { 2 }, { { 256, 65536 } }, 16. * (256 * 65536), 0, TG_F32 },
        { "matmul, f32, 4096", multiplied, 2, { 2, 2 }, { { 4096, 4096 }, { 4096, 4096 } }, 0, 2. * 4096 * 4096 * 4096, TG_F32 },
        { "matmul, bf16, 4096", multiplied, 2, { 2, 2 }, { { 4096, 4096 }, { 4096, 4096 } }, 0, 2. * 4096 * 4096 * 4096, TG_BF16 },
        { "conv 3 x 3, 32 x 128 x 56 x 56", conv_of_3, 2, { 4, 4 }, { { 32, 128, 56, 56 }, { 128, 128, 3, 3 } }, 0, 2. * 32 * 56 * 56 * 128 * 128 * 9, TG_F32 },
        { "conv, bf16, 3 x 3, 32 x 128 x 56 x 56", conv_of_3, 2, { 4, 4 }, { { 32, 128, 56, 56 }, { 128, 128, 3, 3 } }, 0, 2. * 32 * 56 * 56 * 128 * 128 * 9, TG_BF16 },
        { "and back, 3 x 3, 32 x 128 x 56 x 56", conv_of_3_and_back, 2, { 4, 4 }, { { 32, 128, 56, 56 }, { 128, 128, 3, 3 } }, 0, 6. * 32 * 56 * 56 * 128 * 128 * 9, TG_F32 },
        { "and back, bf16, 3 x 3, 32 x 128 x 56 x 56", conv_of_3_and_back, 2, { 4, 4 }, { { 32, 128, 56, 56 }, { 128, 128, 3, 3 } }, 0, 6. * 32 * 56 * 56 * 128 * 128 * 9, TG_BF16 },
        { "attention, causal, 4 x 16 x 2048 x 64", attended_long, 3, { 4, 4, 4 }, { { 4, 16, 2048, 64 }, { 4, 16, 2048, 64 }, { 4, 16, 2048, 64 } }, 0, 2. * 4 * 16 * 2048 * 2048 * 64, TG_F32 },
        { "attention, bf16, causal, 4 x 16 x 2048 x 64", attended_long, 3, { 4, 4, 4 }, { { 4, 16, 2048, 64 }, { 4, 16, 2048, 64 }, { 4, 16, 2048, 64 } }, 0, 2. * 4 * 16 * 2048 * 2048 * 64, TG_BF16 },
        { "attention, bf16, causal, 4 x 16 x 2048 x 128", attended_long, 3, { 4, 4, 4 }, { { 4, 16, 2048, 128 }, { 4, 16, 2048, 128 }, { 4, 16, 2048, 128 } }, 0, 2. * 4 * 16 * 2048 * 2048 * 128, TG_BF16 },
        { "and back, bf16, causal, 4 x 16 x 2048 x 64", attended_and_back, 3, { 4, 4, 4 }, { { 4, 16, 2048, 64 }, { 4, 16, 2048, 64 }, { 4, 16, 2048, 64 } }, 0, 7. * 4 * 16 * 2048 * 2048 * 64, TG_BF16 },
        { "and back, bf16, causal, 4 x 16 x 2048 x 128", attended_and_back, 3, { 4, 4, 4 }, { { 4, 16, 2048, 128 }, { 4, 16, 2048, 128 }, { 4, 16, 2048, 128 } }, 0, 7. * 4 * 16 * 2048 * 2048 * 128, TG_BF16 }
    };
    size_t i;
    for (i = 0; i < sizeof runs / sizeof *runs; i++) {
        tg_mark m = tg_begin(tg);
        tg_tensor *x[3], *y, *zero = tg_to_device(tg_zeros(tg, TG_SHAPE(1)), OTHER);
        double begin, spent, first = 0, least = 1e30;
        int k;
        const bool by_library = runs[i].f == multiplied || runs[i].f == conv_of_3 || runs[i].f == conv_of_3_and_back;      /* with it and without */
        if (!by_library && (runs[i].dtype == TG_BF16) == strict) { tg_end(tg, m); continue; }
        for (k = 0; k < runs[i].n; k++) x[k] = tg_to(tg_rand_like(tg_expand(zero, runs[i].ndim[k], runs[i].shape[k])), runs[i].dtype);
        for (k = 0; k < 6; k++) {
            (void)tg_item(tg_sum(zero));
            begin = now(); y = runs[i].f(x, runs[i].n);
            if (!CHECK_MSG(y && tg_item(tg_sum(zero)) == 0, "%s: %s", runs[i].what, tg_error_text(tg))) break;
            spent = now() - begin;
            if (k == 0) first = spent;
            if (spent < least) least = spent;
        }
        printf("%-40s %9.3f ms, first %7.0f ms", runs[i].what, 1e3 * least, 1e3 * first);
        if (runs[i].bytes > 0) printf(", %7.0f GB/s\n", 1e-9 * runs[i].bytes / least); else printf(", %7.0f GFLOPS\n", 1e-9 * runs[i].flops / least);
        tg_clear(tg);
        tg_end(tg, m);
    }
}

int main(int argc, char **argv) {
    char path[600];
    void *a, *b, *l, *n;
    if (argc > 1 && strcmp(argv[1], "times") == 0) {
        tg = open_strict();
        if (!CHECK_MSG(tg_cuda_open(tg, 0), "%s", tg_error_text(tg))) return test_end("cuda_device");
        printf("%s, this file's kernels\n", tg_cuda_name(tg));
        times(true);
        test_close(tg);
        for (int tf32 = 0; tf32 < 2; tf32++) {
            tg = open_loose(NULL, tf32 != 0, false);
            printf("cuBLASLt and cuDNN%s\n", tf32 ? ", f32 in TF32" : "");
            times(false);
            test_close(tg);
        }
        return test_end("cuda_device");
    }
    if (argc > 1 && strcmp(argv[1], "gpu") == 0) {                          /* on a real one: tools/gpu_check.sh. Numbers so small that GPUs and CPUs part are not among these */
        tg = open_strict();
        if (!CHECK_MSG(tg_cuda_open(tg, 0, .synchronise = true), "%s", tg_error_text(tg))) return test_end("cuda_device");
        printf("%s\n", tg_cuda_name(tg));
        sizes(); turned_copies(); eights(300); in_blocks(); creations(); all_ops(true); large_ops(); optimisers(); test_move();
        test_close(tg);
        matrix_ops(NULL);
        return test_end("cuda_device");
    }
    if (argc > 1 && strcmp(argv[1], "watch") == 0) {                        /* on the emulated one that looks for barriers that are missing: kernels in which threads share something */
        static const tg_dtype only[] = { TG_F32, TG_F16 };
        tg = open_strict();
        if (!CHECK_MSG(tg_cuda_open(tg, 0), "%s", tg_error_text(tg))) return test_end("cuda_device");
        sizes(); turned_copies(); ops_of(larger, sizeof larger / sizeof *larger, only, 1); optimisers(); in_blocks();
        test_close(tg);
        tg = open_loose(NULL, false, true);
        ops_of(matrices, sizeof matrices / sizeof *matrices, only + 1, 1);
        test_close(tg);
        return test_end("cuda_device");
    }
    if (argc > 1 && strcmp(argv[1], "card") == 0) { card(); return test_end("cuda_device"); }
    folder = argc > 1 ? argv[1] : ".";
    snprintf(path, sizeof path, "%s/libcuda.so.1", folder); a = dlopen(path, RTLD_NOW);
    snprintf(path, sizeof path, "%s/libnvrtc.so.12", folder); b = dlopen(path, RTLD_NOW);
    snprintf(path, sizeof path, "%s/libcublasLt.so.13", folder); l = dlopen(path, RTLD_NOW);
    snprintf(path, sizeof path, "%s/libcudnn.so.9", folder); n = dlopen(path, RTLD_NOW);
    if (!CHECK_MSG(a && b && l && n, "the libraries in %s do not load: %s", folder, dlerror())) return test_end("cuda_device");
    blas = (fake_state *)dlsym(l, "tg_fake"); dnn = (fake_state *)dlsym(n, "tg_fake"); driver = (fake_state *)dlsym(a, "tg_fake"); compiler = (fake_state *)dlsym(b, "tg_fake");
    waiting = (long long (*)(void))dlsym(a, "tg_fake_waiting");
    if (argc > 2 && strcmp(argv[2], "large") == 0) { tg = open_strict(); CHECK(tg_cuda_open(tg, 0, .folder = folder, .synchronise = true)); large_ops(); test_close(tg); return test_end("cuda_device"); }
    if (argc > 2 && strcmp(argv[2], "sizes") == 0) { tg = open_strict(); CHECK(tg_cuda_open(tg, 0, .folder = folder, .synchronise = true)); lines = 0; sizes(); in_blocks(); CHECK(lines == 0); test_close(tg); return test_end("cuda_device"); }
    if (argc > 2 && strcmp(argv[2], "models") == 0) { models_there(folder); return test_end("cuda_device"); }
    if (argc > 2 && strcmp(argv[2], "matrix") == 0) { matrix_ops(folder); return test_end("cuda_device"); }
    if (argc > 2 && strcmp(argv[2], "dnn") == 0) { convolutions(); return test_end("cuda_device"); }
    if (argc > 2 && strcmp(argv[2], "new") == 0) { products(); convolutions(); guest(); pinned(); programs(); return test_end("cuda_device"); }
    missing();
    memory();
    many_steps();
    models_there(folder);
    values();
    products();
    convolutions();
    guest();
    pinned();
    programs();
    failing_allocations(NULL);
    failing_calls(driver, "the driver", NULL);
    failing_calls(compiler, "NVRTC", NULL);
    matrix_ops(folder);
    driver->capability = compiler->capability = 75; matrix_ops(folder); driver->capability = compiler->capability = 80;
    nothing_left("matrix units");
    tg = open_strict();
    CHECK(tg_cuda_open(tg, 0, .folder = folder, .synchronise = true));
    lines = 0;
    sizes(); turned_copies(); eights(10); in_blocks();
    creations(); all_ops(argc > 2); large_ops(); optimisers();
    test_move();
    CHECK_MSG(lines == 0, "%d families are left to the CPU; the last: %s", lines, last_line);
    printf("%d launches; families left to the CPU: %d\n", driver->launches, lines);
    test_close(tg);
    nothing_left("operations");
    return test_end("cuda_device");
}
