/* gpu_bench.c - rows of the benchmark list for an NVIDIA GPU: one JSON object per row and line, as tools/bench.c prints them. tools/gpu_torch.py times the same rows with torch,
   tools/gpu_check.sh runs both and sets them beside each other.

     cc -O2 -DTENSORGRAD_TEACH tools/gpu_bench.c -o gpu_bench -lm -lpthread -ldl
     ./gpu_bench --rows 'gemm/bf16*' --budget 0.2
     ./gpu_bench --list                 the rows, with the work that each one needs

     --rows GLOB,...    which rows; all by default
     --budget SECONDS   of sampling for each row; 0.1 by default
     --limit SECONDS    rows that would begin later than this are not run, and say so
     --cache FOLDER     where compiled kernels are kept, as of tg_cuda_open
     --small            all sizes so small that each row ends within a second on an emulated device or on the CPU; such times say nothing about a GPU
     --cpu              the same rows on the CPU, on one thread

   How a row is timed: three repetitions that do not count, then samples of so many repetitions that one lasts a millisecond, for the budget's time and at least five. Each sample ends
   by waiting for the GPU. Results are made anew in each repetition and released. Least and median of the samples, divided by the repetitions, are printed.

   Before a row is timed the GPU makes it at small sizes, and the CPU does, from the same numbers: all results must agree. Then it is made once at its own size: the last of its rows
   (images, heads, ...) are computed by the CPU again where they hang on nothing but their own rows, and numbers of all results must be finite. A row that fails prints an error in place
   of times, and the exit code is 1. */
#define TENSORGRAD_IMPLEMENTATION
#include "../tensorgrad.h"
#include "../tensorgrad_cuda.h"
#include "../examples/models/mlp.h"
#include "../examples/models/resnet.h"
#include "../examples/models/gpt2.h"
#include "rows.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(list) ((int)(sizeof(list) / sizeof((list)[0])))
enum { ROWS = 100, TENSORS = 8, G = TENSORS - 1 };            /* X[G] is the gradient of the result, where one comes from outside */

typedef struct Row Row;
struct Row {
    char name[64];
    double flop, bytes;
    void (*make)(const Row *r);             /* inputs into X, models into NET and OPT */
    void (*once)(const Row *r);             /* one repetition; results into OUT */
    int64_t p[10];
    tg_dtype dtype;
    bool tf32, back;                        /* a context with .tf32; the derivatives, too */
    int steps;                              /* repetitions before results are compared; 0: one */
    double tolerance;                       /* of results, by the largest; 0: what the dtype allows */
    int64_t inner;                          /* repetitions of a sample; 0: a millisecond's */
    int cut_dims;                           /* the last indices of so many first dimensions are compared at full size: of these of X and of OUT */
    unsigned cut_in, cut_out;
};

static Row rows[2][ROWS];                   /* of full size; small */
static int n_rows, size_of_rows;            /* which of the two is being made */
static tg_ctx *tg, *contexts[2];            /* [1]: with .tf32 */
static tg_device where, gpu;                /* where a row is made; where it is timed: the CPU itself with --cpu */
static tg_tensor *X[TENSORS], *OUT[TENSORS];
static tg_module *NET;
static tg_optim *OPT;
static const char *cache;
static char why[240];

static double now(void) { return tg_seconds(tg); }
static void log_line(void *user, tg_log_level level, const char *text) { (void)user; (void)level; fprintf(stderr, "%s\n", text); }
static bool waited(void) { return gpu == TG_CPU ? !tg_failed(tg) : tg_cuda_wait(tg); }

static Row *row(void (*make)(const Row *), void (*once)(const Row *), double flop, double bytes, const char *name) {
    Row *r = &rows[size_of_rows][n_rows++];
    snprintf(r->name, sizeof r->name, "%s", name);
    r->make = make; r->once = once; r->flop = flop; r->bytes = bytes;
    return r;
}
static int64_t or_small(int64_t full, int64_t small) { return size_of_rows ? small : full; }

/* ---- making inputs ---- */

/* Normal numbers. Few of them are drawn by the CPU, so that a GPU and the CPU begin with the same; the memory that many of them needed in f32 is let go of. */
static tg_tensor *normal(tg_dtype dtype, int ndim, const int64_t *shape) {
    const tg_mark m = tg_begin(tg);
    int64_t n = 1;
    tg_tensor *t;
    int i;
    for (i = 0; i < ndim; i++) n *= shape[i];
    if (where == TG_CPU || n <= 1 << 20) t = tg_to_device(tg_to(tg_randn(tg, ndim, shape), dtype), where);
    else t = tg_to(tg_randn_like(tg_expand(tg_to_device(tg_zeros(tg, TG_SHAPE(1)), where), ndim, shape)), dtype);
    return tg_end_with(tg, m, t);
}
static tg_tensor *classes(int64_t count, int ndim, const int64_t *shape) { return tg_to_device(tg_randint(tg, 0, count, ndim, shape), where); }
/* The first n of X want gradients where the row has a way back. */
static void wants(const Row *r, int n) { while (r->back && n-- > 0) tg_require_grad(X[n], true); }
/* y, and the gradients of the first n of X */
static void give(const Row *r, tg_tensor *y, int n) {
    OUT[0] = y;
    if (r->back) tg_grad(&y, 1, X, n, OUT + 1, .grad_outputs = X[G] ? &X[G] : NULL);
}

/* ---- gemm; p: the size ---- */
static void make_gemm(const Row *r) { X[0] = normal(r->dtype, TG_SHAPE(r->p[0], r->p[0])); X[1] = normal(r->dtype, TG_SHAPE(r->p[0], r->p[0])); }
static void once_gemm(const Row *r) { (void)r; OUT[0] = tg_matmul(X[0], X[1]); }
static void gemm_rows(void) {
    static const char *const names[3] = { "f32", "tf32", "bf16" };
    int i, size;
    for (i = 0; i < 3; i++) for (size = 1024; size <= 8192; size *= 2) {
        const double n = (double)or_small(size, size / 64);
        char name[64];
        Row *r;
        snprintf(name, sizeof name, "gemm/%s_nn_%d", names[i], size);
        r = row(make_gemm, once_gemm, 2 * n * n * n, (i < 2 ? 12 : 6) * n * n, name);
        r->p[0] = (int64_t)n; r->dtype = i < 2 ? TG_F32 : TG_BF16; r->tf32 = i == 1;
        r->cut_dims = 1; r->cut_in = 1; r->cut_out = 1;
    }
}

/* ---- small: what a call costs the host, and a step of a network so small that the host's time is all of it ---- */
static void make_add(const Row *r) { (void)r; X[0] = normal(TG_F32, TG_SHAPE(4)); X[1] = normal(TG_F32, TG_SHAPE(4)); }
static void once_add(const Row *r) { (void)r; OUT[0] = tg_add(X[0], X[1]); }
static void once_training(const Row *r) {
    tg_tensor *y = r->p[9] ? tg_flatten(gpt2_logits(NET, X[0], NULL, NULL), 0, 1) : tg_forward(NET, X[0]);
    OUT[0] = tg_cross_entropy(y, X[1]);
    tg_backward(OUT[0]);
    tg_step(OPT);
}
static void make_mlp(const Row *r) {
    const mlp_config config = { { 8, 64, 64, 4 }, 4, tg_relu, false };
    (void)r;
    NET = mlp_new(tg, &config);
    tg_module_to_device(NET, where);
    OPT = tg_optim_adamw(NET, 1e-3);
    X[0] = normal(TG_F32, TG_SHAPE(64, 8)); X[1] = classes(4, TG_SHAPE(64));
}
static Row *trained(Row *r, double tolerance) { r->steps = 4; r->tolerance = tolerance; return r; }
static void small_rows(void) {
    row(make_add, once_add, 4, 48, "small/add_4")->inner = or_small(10000, 200);
    trained(row(make_mlp, once_training, 128 * (8 * 64 * 2 + 64 * 64 * 3 + 64 * 4 * 3), 0, "small/mlp_step_b64"), 1e-3);
}

/* ---- attention; p: B, H, T, D ---- */
static void make_attention(const Row *r) {
    int i;
    for (i = 0; i < 4; i++) X[i < 3 ? i : G] = normal(r->dtype, TG_SHAPE(r->p[0], r->p[1], r->p[2], r->p[3]));
    wants(r, 3);
}
static void once_attention(const Row *r) { give(r, tg_scaled_dot_product_attention(X[0], X[1], X[2], .is_causal = true), 3); }
static void attention_rows(void) {
    int d, back;
    for (d = 64; d <= 128; d *= 2) for (back = 0; back < 2; back++) {
        const int64_t b = or_small(4, 1), h = or_small(16, 2), t = or_small(2048, 40);
        const double n = (double)(b * h * t * d);
        char name[64];
        Row *r;
        snprintf(name, sizeof name, "attn/bf16_causal_b4_h16_t2048_d%d/%s", d, back ? "fwdbwd" : "fwd");
        r = row(make_attention, once_attention, (back ? 7 : 2) * n * (double)t, (back ? 20 : 8) * n, name);
        r->p[0] = b; r->p[1] = h; r->p[2] = t; r->p[3] = d; r->dtype = TG_BF16; r->back = back != 0;
        r->cut_dims = 2; r->cut_in = 7 | 1u << G; r->cut_out = 15;
    }
}

/* ---- whole models ---- */
static void make_resnet(const Row *r) {
    const resnet_config config = { false, { 2, 2, 2, 2 }, { r->p[1], 2 * r->p[1], 4 * r->p[1], 8 * r->p[1] }, 4, 3, 10, 3, 1, 0, 2 };
    NET = resnet_new(tg, &config);
    tg_module_to_device(NET, where);
    OPT = tg_optim_sgd(NET, 0.01, .momentum = TG_IS(0.9));
    X[0] = normal(TG_F32, TG_SHAPE(r->p[0], 3, r->p[2], r->p[2])); X[1] = classes(10, TG_SHAPE(r->p[0]));
}
/* p: N, T, vocabulary, positions, layers, width, heads */
static void gpt_of(const Row *r) {
    const gpt2_config config = { .vocab = r->p[2], .positions = r->p[3], .width = r->p[5], .layers = r->p[4], .heads = r->p[6], .inner = 4 * r->p[5], .act = tg_gelu_tanh, .eps = 1e-5 };
    NET = gpt2_new(tg, &config);
    tg_module_to(NET, r->dtype);
    tg_module_to_device(NET, where);
}
static Row *gpt_sizes(Row *r, tg_dtype dtype, int64_t n, int64_t t) {
    r->dtype = dtype;
    r->p[0] = n; r->p[1] = t; r->p[2] = or_small(50257, 211); r->p[3] = or_small(1024, 64); r->p[4] = or_small(12, 2); r->p[5] = or_small(768, 64); r->p[6] = or_small(12, 2);
    r->p[9] = 1;
    return r;
}
static double gpt_flop(const Row *r) {
    const double tokens = (double)(r->p[0] * r->p[1]), width = (double)r->p[5], layers = (double)r->p[4];
    return tokens * (layers * 24 * width * width + 2 * width * (double)r->p[2]) + layers * 2 * tokens * (double)r->p[1] * width;
}
static double gpt_parameters(void) { const double w = (double)or_small(768, 64); return w * (double)or_small(50257 + 1024, 211 + 64) + (double)or_small(12, 2) * (12 * w * w + 13 * w) + 2 * w; }
static void make_gpt(const Row *r) {
    gpt_of(r);
    OPT = tg_optim_adamw(NET, r->p[2] < 1000 ? 1e-2 : 1e-4); /* without master weights; a rate whose effect shows in a few steps of a small one */
    X[0] = classes(r->p[2], TG_SHAPE(r->p[0], r->p[1])); X[1] = classes(r->p[2], TG_SHAPE(r->p[0] * r->p[1]));
}
/* p[1]: tokens that are written, as many as stand in the cache before them */
static void make_decode(const Row *r) {
    kv_cache c;
    gpt_of(r);
    tg_train(NET, false); tg_freeze(NET, true);
    c = kv_new(tg_module_tensor_at(NET, "transformer.ln_f.weight"), r->p[4], 1, r->p[6], r->p[3], r->p[5] / r->p[6]);
    X[0] = classes(r->p[2], TG_SHAPE(1, 1));
    X[1] = tg_copy_(c.k, normal(r->dtype, c.k->ndim, c.k->shape)); X[2] = tg_copy_(c.v, normal(r->dtype, c.v->ndim, c.v->shape));
}
/* The likeliest token comes next, which the host need not see. */
static void once_decode(const Row *r) {
    const bool was = tg_grad_mode(tg, false);
    kv_cache c = { X[1], X[2], r->p[1] };
    tg_tensor *token = X[0];
    int64_t i;
    for (i = 0; i < r->p[1]; i++) {
        const tg_mark m = tg_begin(tg);
        tg_tensor *y = gpt2_last_logits(NET, token, NULL, &c);
        if (i == 0) OUT[0] = tg_end_with(tg, m, y);           /* what is compared: later ones hang on near ties */
        token = i == 0 ? tg_argmax_dim(OUT[0], -1, true) : tg_end_with(tg, m, tg_argmax_dim(y, -1, true));
    }
    tg_grad_mode(tg, was);
}
static void model_rows(void) {
    Row *r = row(make_resnet, once_training, (double)or_small(1, 0) * 256 * 3 * 2 * 555.4e6, 0, "train/resnet18_cifar_b256");
    r->p[0] = or_small(256, 2); r->p[1] = or_small(64, 8); r->p[2] = or_small(32, 16);
    trained(r, 5e-3);
    r = gpt_sizes(row(make_gpt, once_training, 0, 0, "train/gpt2_124m_bf16_8x1024"), TG_BF16, or_small(8, 2), or_small(1024, 16));
    r->flop = 3 * gpt_flop(trained(r, 3e-2));
    r = gpt_sizes(row(make_decode, once_decode, 0, 0, "infer/gpt2_decode"), TG_BF16, 1, or_small(64, 4));
    r->bytes = (double)r->p[1] * 2 * gpt_parameters();
}

/* ---- optimisers ---- */
/* p: how many numbers */
static void make_adamw(const Row *r) {
    X[0] = tg_require_grad(normal(TG_F32, TG_SHAPE(r->p[0])), true);
    tg_backward(X[0], .gradient = normal(TG_F32, TG_SHAPE(r->p[0])));
    OPT = tg_adamw(X, 1, 1e-2);
}
static void make_adamw_gpt(const Row *r) {
    tg_tensor *all[300];
    int64_t n, i;
    gpt_of(r);
    n = tg_parameters(NET, all, COUNT(all));
    for (i = 0; i < n && !tg_failed(tg); i++) {
        const tg_mark m = tg_begin(tg);
        tg_backward(all[i], .gradient = normal(TG_F32, all[i]->ndim, all[i]->shape));
        tg_end(tg, m);
    }
    X[0] = all[0];
    OPT = tg_optim_adamw(NET, 1e-2);
}
static void once_adamw(const Row *r) { (void)r; tg_optim_step(OPT); OUT[0] = X[0]; }
static void optim_rows(void) {
    Row *r = row(make_adamw, once_adamw, 0, 28 * (double)or_small(100000000, 10000), "optim/adamw_1e8");
    r->p[0] = or_small(100000000, 10000);
    trained(r, 1e-5);
    trained(gpt_sizes(row(make_adamw_gpt, once_adamw, 0, 28 * gpt_parameters(), "optim/adamw_gpt2_148"), TG_F32, 1, 1), 1e-5);
}

/* ---- mem; p: the shape of X[0], of X[1] if there is one; a second size of 0: a vector, a first of 0: a row ---- */
static void make_mem(const Row *r) {
    int i;
    for (i = 0; i < 2; i++) {
        const int64_t *p = r->p + 2 * i;
        if (p[0] && p[1]) X[i] = normal(r->dtype, TG_SHAPE(p[0], p[1])); else if (p[0] || p[1]) X[i] = normal(r->dtype, TG_SHAPE(p[0] + p[1]));
    }
}
static void once_exp(const Row *r) { (void)r; OUT[0] = tg_exp(X[0]); }
static void once_gelu(const Row *r) { (void)r; OUT[0] = tg_gelu(X[0]); }
static void once_mul(const Row *r) { (void)r; OUT[0] = tg_mul(X[0], X[1]); }
static void once_cast(const Row *r) { (void)r; OUT[0] = tg_to(X[0], TG_BF16); }
static void once_copy(const Row *r) { (void)r; OUT[0] = tg_clone(X[0]); }
static void once_turned(const Row *r) { (void)r; OUT[0] = tg_contiguous(tg_transpose(X[0], 0, 1)); }
static void once_sum(const Row *r) { (void)r; OUT[0] = tg_sum(X[0]); }
static void once_sum_rows(const Row *r) { (void)r; OUT[0] = tg_sum_dims(X[0], TG_DIMS(1), false); }
static void once_sum_columns(const Row *r) { (void)r; OUT[0] = tg_sum_dims(X[0], TG_DIMS(0), false); }
static void make_softmax(const Row *r) { X[0] = normal(r->dtype, TG_SHAPE(r->p[0], r->p[1])); X[G] = normal(r->dtype, TG_SHAPE(r->p[0], r->p[1])); wants(r, 1); }
static void once_softmax(const Row *r) { give(r, tg_softmax(X[0], 1), 1); }
static void make_norm(const Row *r) { make_softmax(r); X[1] = normal(r->dtype, TG_SHAPE(r->p[1])); X[2] = normal(r->dtype, TG_SHAPE(r->p[1])); wants(r, 3); }
static void once_norm(const Row *r) { give(r, tg_layer_norm(X[0], TG_SHAPE(r->p[1]), X[1], X[2], 1e-5), 3); }
static void make_cross_entropy(const Row *r) { X[0] = normal(r->dtype, TG_SHAPE(r->p[0], r->p[1])); X[1] = classes(r->p[1], TG_SHAPE(r->p[0])); wants(r, 1); }
static void once_cross_entropy(const Row *r) { give(r, tg_cross_entropy(X[0], X[1]), 1); }
static void mem_rows(void) {
    static const struct { const char *name; void (*once)(const Row *); int roots[4]; tg_dtype dtype; double width; unsigned cut_in, cut_out; } list[] = {   /* sizes: nothing, the root of the count, the count */
        { "mem/add_1e8", once_add, { 2, 0, 2, 0 }, TG_F32, 12, 3, 1 },
        { "mem/exp_1e8", once_exp, { 2, 0, 0, 0 }, TG_F32, 8, 1, 1 },
        { "mem/gelu_bf16_1e8", once_gelu, { 2, 0, 0, 0 }, TG_BF16, 4, 1, 1 },
        { "mem/mul_row_1e8", once_mul, { 1, 1, 0, 1 }, TG_F32, 8, 1, 1 },
        { "mem/cast_f32_bf16_1e8", once_cast, { 2, 0, 0, 0 }, TG_F32, 6, 1, 1 },
        { "mem/copy_10000", once_copy, { 1, 1, 0, 0 }, TG_F32, 8, 1, 1 },
        { "mem/transpose_copy_10000", once_turned, { 1, 1, 0, 0 }, TG_F32, 8, 1, 1 },
        { "mem/sum_all_1e8", once_sum, { 2, 0, 0, 0 }, TG_F32, 4, 0, 0 },
        { "mem/sum_dim1_10000", once_sum_rows, { 1, 1, 0, 0 }, TG_F32, 4, 1, 1 },
        { "mem/sum_dim0_10000", once_sum_columns, { 1, 1, 0, 0 }, TG_F32, 4, 0, 0 }
    };
    const int64_t side = or_small(10000, 100), count = or_small(8192, 32), width = or_small(4096, 136), vocab = or_small(50257, 211);
    char name[64];
    Row *r;
    int i, half, back;
    for (i = 0; i < COUNT(list); i++) {
        int k;
        r = row(make_mem, list[i].once, 0, list[i].width * (double)(side * side), list[i].name);
        for (k = 0; k < 4; k++) r->p[k] = list[i].roots[k] == 0 ? 0 : list[i].roots[k] == 1 ? side : side * side;
        r->dtype = list[i].dtype; r->cut_dims = list[i].cut_out ? 1 : 0; r->cut_in = list[i].cut_in; r->cut_out = list[i].cut_out;
    }
    for (i = 0; i < 2; i++) for (half = 0; half < 2; half++) for (back = 0; back < 2; back++) {
        snprintf(name, sizeof name, "mem/%s_8192x4096_%s/%s", i ? "layernorm" : "softmax", half ? "bf16" : "f32", back ? "fwdbwd" : "fwd");
        r = row(i ? make_norm : make_softmax, i ? once_norm : once_softmax, 0, (back ? 5 : 2) * (half ? 2 : 4) * (double)(count * width), name);
        r->p[0] = count; r->p[1] = width; r->dtype = half ? TG_BF16 : TG_F32; r->back = back != 0;
        r->cut_dims = 1; r->cut_in = 1 | 1u << G; r->cut_out = 3;
    }
    r = row(make_cross_entropy, once_cross_entropy, 0, 2 * 2 * (double)(count * vocab), "mem/cross_entropy_8192x50257_bf16/fwdbwd");
    r->p[0] = count; r->p[1] = vocab; r->dtype = TG_BF16; r->back = true;
}

/* ---- convolutions of ResNet-50; p: N, C, H, O, kernel, stride, padding, size of the result. The first layer's image wants no gradient ---- */
static void make_conv(const Row *r) {
    X[0] = normal(r->dtype, TG_SHAPE(r->p[3], r->p[1], r->p[4], r->p[4]));
    X[1] = normal(r->dtype, TG_SHAPE(r->p[0], r->p[1], r->p[2], r->p[2]));
    X[G] = normal(r->dtype, TG_SHAPE(r->p[0], r->p[3], r->p[7], r->p[7]));
    wants(r, r->p[1] == 3 ? 1 : 2);
}
static void once_conv(const Row *r) { give(r, tg_conv2d(X[1], X[0], NULL, .stride = { r->p[5], r->p[5] }, .padding = { r->p[6], r->p[6] }), r->p[1] == 3 ? 1 : 2); }
static void conv_rows(void) {
    static const struct { const char *name; int64_t c, h, o, k, s; } list[] = {
        { "n64_c3_o64_hw224_k7s2", 3, 224, 64, 7, 2 }, { "n64_c64_o64_hw56_k3", 64, 56, 64, 3, 1 }, { "n64_c256_o64_hw56_k1", 256, 56, 64, 1, 1 },
        { "n64_c128_o128_hw28_k3", 128, 28, 128, 3, 1 }, { "n64_c256_o256_hw14_k3", 256, 14, 256, 3, 1 }, { "n64_c512_o512_hw7_k3", 512, 7, 512, 3, 1 }
    };
    int i, half, back;
    for (i = 0; i < COUNT(list); i++) for (half = 0; half < 2; half++) for (back = 0; back < 2; back++) {
        const bool first = list[i].c == 3;
        const int64_t n = or_small(64, 2), c = first ? 3 : or_small(list[i].c, list[i].c / 16), h = or_small(list[i].h, list[i].h > 14 ? list[i].h / 4 : 7), o = or_small(list[i].o, list[i].o / 16);
        const int64_t k = list[i].k, q = (h + 2 * (k / 2) - k) / list[i].s + 1;
        const double times = back ? first ? 2 : 3 : 1;
        char name[64];
        Row *r;
        snprintf(name, sizeof name, "conv/%s_%s/%s", half ? "bf16" : "f32", list[i].name, back ? "fwdbwd" : "fwd");
        r = row(make_conv, once_conv, times * 2 * (double)(n * q * q * o * c * k * k), times * (half ? 2 : 4) * (double)(n * c * h * h + o * c * k * k + n * o * q * q), name);
        r->p[0] = n; r->p[1] = c; r->p[2] = h; r->p[3] = o; r->p[4] = k; r->p[5] = list[i].s; r->p[6] = k / 2; r->p[7] = q;
        r->dtype = half ? TG_BF16 : TG_F32; r->back = back != 0;
        r->cut_dims = 1; r->cut_in = 2 | 1u << G; r->cut_out = 1 | (first ? 0 : 4);
    }
}

/* ---- comparing ---- */
static void let_go(void) {
    tg_optim_free(OPT); tg_module_free(NET);
    OPT = NULL; NET = NULL;
    memset(X, 0, sizeof X); memset(OUT, 0, sizeof OUT);
}
static tg_tensor *on_cpu(tg_tensor *t) { return tg_to(tg_to_device(tg_contiguous(tg_detach(t)), TG_CPU), TG_F32); }
static void repeat(const Row *r, int64_t n) { while (n-- > 0) { const tg_mark m = tg_begin(tg); r->once(r); tg_end(tg, m); } }
/* NULL, or what is wrong. Errors are measured by the largest number: of f32 1e-5 of it, of TF32 2e-3, of bf16 2e-2, but for .tolerance. */
static const char *compared(const Row *r, int which, tg_tensor *got, tg_tensor *want) {
    const float *a, *b;
    double most = 0;
    int64_t i;
    got = on_cpu(got); want = on_cpu(want);
    if (tg_failed(tg)) return tg_error_text(tg);
    a = (const float *)got->data; b = (const float *)want->data;
    for (i = 0; i < want->numel; i++) if (fabs((double)b[i]) > most) most = fabs((double)b[i]);
    for (i = 0; i < want->numel && got->numel == want->numel; i++)
        if (!(fabs((double)a[i] - (double)b[i]) <= most * (r->tolerance > 0 ? r->tolerance : r->dtype == TG_BF16 ? 2e-2 : r->tf32 ? 2e-3 : 1e-5))) break;
    if (i == want->numel && most > 0) return NULL;
    snprintf(why, sizeof why, "result %d, [%lld] of %lld is %.9g, not %.9g", which, (long long)i, (long long)got->numel, i < got->numel ? (double)a[i] : 0, i < want->numel ? (double)b[i] : 0);
    return why;
}
/* The row at small sizes, there and here. Of decoding and of training what comes after some repetitions. */
static const char *check_small(const Row *r) {
    const tg_mark outer = tg_begin(tg);
    tg_tensor *want[TENSORS] = { NULL };
    const char *bad = NULL;
    int side, i;
    for (side = 0; side < 2 && !tg_failed(tg); side++) {
        where = side ? gpu : TG_CPU;
        tg_seed(tg, 1);
        r->make(r);
        repeat(r, r->steps ? r->steps - 1 : 0);
        r->once(r);
        for (i = 0; i < TENSORS && !bad; i++) {
            if (!side && OUT[i]) want[i] = on_cpu(OUT[i]);
            if (side && want[i]) bad = compared(r, i, OUT[i], want[i]);
        }
        if (side && !want[0] && !tg_failed(tg)) bad = "there is no result";
        let_go();
    }
    where = gpu;
    if (tg_failed(tg)) { snprintf(why, sizeof why, "%s", tg_error_text(tg)); bad = why; }
    tg_end(tg, outer);
    return bad;
}
/* The last n indices of its first dimensions. */
static tg_tensor *cut(const Row *r, tg_tensor *t, int64_t n) {
    int d;
    t = tg_detach(t);
    for (d = 0; d < r->cut_dims && t; d++) {
        const int64_t have = t->shape[d];
        t = tg_narrow(t, d, n < have ? have - n : 0, n < have ? n : have);
    }
    return t;
}
/* OUT is what the GPU made of X. Numbers of all results are finite; those that hang on the last indices alone are what the CPU makes of these. */
static const char *check_full(const Row *r) {
    tg_tensor *whole[TENSORS], *made[TENSORS];
    const char *bad = NULL;
    int64_t n = 0;
    int i;
    for (i = 0; i < TENSORS && !bad; i++) {
        tg_tensor *t = OUT[i] ? tg_reshape(tg_contiguous(tg_detach(OUT[i])), TG_SHAPE(-1)) : NULL;
        int64_t k;
        if (t) t = on_cpu(tg_narrow(t, 0, t->numel > 4096 ? t->numel - 4096 : 0, t->numel > 4096 ? 4096 : t->numel));
        for (k = 0; t && k < t->numel; k++) if (!isfinite(((const float *)t->data)[k])) { snprintf(why, sizeof why, "result %d holds %g", i, (double)((const float *)t->data)[k]); bad = why; break; }
    }
    if (bad || tg_failed(tg) || !r->cut_dims || gpu == TG_CPU) return bad;
    memcpy(whole, X, sizeof X); memcpy(made, OUT, sizeof OUT);
    for (i = 0; i < TENSORS; i++) if (r->cut_in >> i & 1) n = X[i]->ndim == 1 ? 4096 : X[i]->ndim == 2 ? 3 : 1;
    for (i = 0; i < TENSORS; i++) if (X[i]) {
        tg_tensor *t = tg_to_device(tg_contiguous(r->cut_in >> i & 1 ? cut(r, X[i], n) : tg_detach(X[i])), TG_CPU);
        X[i] = X[i]->requires_grad ? tg_require_grad(tg_clone(t), true) : t;
    }
    memset(OUT, 0, sizeof OUT);
    r->once(r);
    for (i = 0; i < TENSORS && !bad && !tg_failed(tg); i++) if (OUT[i] && r->cut_out >> i & 1)
        bad = r->once == once_turned ? compared(r, i, cut(r, tg_transpose(made[i], 0, 1), n), tg_transpose(OUT[i], 0, 1)) : compared(r, i, cut(r, made[i], n), OUT[i]);
    memcpy(X, whole, sizeof X);
    return bad;
}

/* ---- timing ---- */
static int by_size(const void *a, const void *b) { const double x = *(const double *)a, y = *(const double *)b; return x < y ? -1 : x > y; }
static bool opened(bool tf32) {
    tg_config config;
    tg = contexts[tf32];
    if (tg) return true;
    memset(&config, 0, sizeof config);
    config.hooks.log = log_line; config.seed = 1; config.threads = gpu == TG_CPU ? 0 : -1;
    tg = contexts[tf32] = tg_open(&config);
    if (!tg) return false;
    return gpu == TG_CPU || tg_cuda_open(tg, 0, .tf32 = tf32, .cache = cache);
}
static bool bench(const Row *r, const Row *little, double budget, bool small, const char *late) {
    static double sample[2000];
    const tg_mark outer = tg_begin(tg);
    const char *bad = late ? late : gpu == TG_CPU ? NULL : check_small(little);
    double t = 1e9, end;
    int64_t inner = r->inner;
    bool good;
    int n = 0, i;
    where = gpu;
    if (!bad) {
        tg_mark m;
        tg_seed(tg, 1);
        r->make(r);
        m = tg_begin(tg);
        r->once(r);
        bad = check_full(r);
        memset(OUT, 0, sizeof OUT);
        tg_end(tg, m);
        if (!waited() || tg_failed(tg)) bad = tg_error_text(tg);
    }
    if (!bad) {
        for (i = 0; i < 3; i++) { const double start = now(); repeat(r, 1); (void)waited(); end = now() - start; if (end < t) t = end; }
        for (; !inner && t < 1e-3 && !tg_failed(tg);) {       /* the wait is part of the time of one: it takes a few tries until it is shared by enough */
            const int64_t k = (int64_t)(1.2e-3 / (t > 1e-7 ? t : 1e-7)) + 1;
            const double start = now();
            repeat(r, k); (void)waited();
            end = now() - start;
            if (end >= 1e-3) inner = k; else t = end / (double)k;
        }
        if (!inner) inner = 1;
        end = now() + budget;
        while (n < COUNT(sample) && (n < 5 || now() < end) && !tg_failed(tg)) {
            const double start = now();
            repeat(r, inner); (void)waited();
            sample[n++] = (now() - start) / (double)inner;
        }
        if (tg_failed(tg)) bad = tg_error_text(tg);
    }
    printf("{\"name\":\"%s\",\"impl\":\"tensorgrad\",\"threads\":1,", r->name);
    good = !bad;
    if (bad) {
        printf("\"error\":\"");
        for (; *bad; bad++) putchar(*bad == '"' || *bad == '\\' ? '\'' : (unsigned char)*bad < ' ' ? ' ' : *bad);
        printf("\"}\n");
    } else {
        qsort(sample, (size_t)n, sizeof sample[0], by_size);
        printf("\"min_us\":%.4f,\"med_us\":%.4f,\"work\":{\"flop\":%.0f,\"bytes\":%.0f},\"samples\":%d,\"inner\":%lld,\"device\":\"%s\"%s}\n", sample[0] * 1e6, sample[n / 2] * 1e6, r->flop, r->bytes, n, (long long)inner,
               gpu == TG_CPU ? "cpu" : "cuda", small ? ",\"small\":true" : "");
    }
    fflush(stdout);
    tg_clear(tg);
    let_go();
    tg_end(tg, outer);
    tg_trim(tg);
    return good;
}

/* ---- command line ---- */
int main(int argc, char **argv) {
    const char *globs = "*";
    double budget = 0.1, limit = 1e9, begin = 0;
    bool list = false, small = false, failed = false;
    int i;
    gpu = TG_CUDA;
    for (i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--list") == 0) { list = true; continue; }
        if (strcmp(argv[i], "--small") == 0) { small = true; continue; }
        if (strcmp(argv[i], "--cpu") == 0) { gpu = TG_CPU; continue; }
        if (strcmp(argv[i], "--rows") == 0) globs = value;
        else if (strcmp(argv[i], "--budget") == 0) budget = atof(value);
        else if (strcmp(argv[i], "--limit") == 0) limit = atof(value);
        else if (strcmp(argv[i], "--cache") == 0) cache = value;
        else { fprintf(stderr, "gpu_bench: unknown option %s (see the first comment of tools/gpu_bench.c)\n", argv[i]); return 2; }
        i++;
    }
    for (size_of_rows = 0; size_of_rows < 2; size_of_rows++) {
        n_rows = 0;
        gemm_rows(); small_rows(); attention_rows(); model_rows(); optim_rows(); mem_rows(); conv_rows();
    }
    for (i = 0; i < n_rows; i++) {
        const Row *r = &rows[small][i];
        if (!wanted(globs, r->name)) continue;
        if (list) { printf("{\"name\":\"%s\",\"work\":{\"flop\":%.0f,\"bytes\":%.0f}}\n", r->name, r->flop, r->bytes); continue; }
        if (!opened(r->tf32)) { fprintf(stderr, "gpu_bench: %s\n", tg ? tg_error_text(tg) : "no context"); failed = true; break; }
        if (begin == 0) { begin = now(); fprintf(stderr, "gpu_bench: %s\n", gpu == TG_CPU ? "the CPU" : tg_cuda_name(tg)); }
        if (!bench(r, &rows[1][i], budget, small, now() - begin > limit ? "not begun within --limit" : NULL)) failed = true;
    }
    for (i = 0; i < 2; i++) if (contexts[i]) tg_close(contexts[i]);
    return failed;
}
