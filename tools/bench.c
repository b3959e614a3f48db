/* bench.c - the library's side of the benchmark list: times the rows that it can do, one JSON object per line on stdout.

     cc -O2 tools/bench.c -o bench -lm
     ./bench --threads 2 --rows 'gemm/f32_nn_*' --budget 0.5
     ./bench --list                                     the rows, with the work that each one needs

     --threads N        1 by default; the process is pinned to the last N of the CPUs that it may use
     --rows GLOB,...    which rows; all by default
     --budget SECONDS   of sampling per row, 1 by default
     --isa NAME         plain, avx2, avx512, neon or simd128 in place of the widest that the machine has; impl is tensorgrad_NAME then
     --strict           in strict mode; impl is tensorgrad_strict then
     --rss              peak memory in place of times: rows train/ and infer/ alone, each in a process of its own that builds the model and makes
                        three steps (Linux); the lines are named rss/train/..., with a value in KiB
     --impl NAME        another name for the program in its output; tensorgrad_blis where it was built with -DTENSORGRAD_BLIS and -lblis or
                        -lopenblas, whose threads are told by BLIS_NUM_THREADS, OMP_NUM_THREADS, OPENBLAS_NUM_THREADS

   How a row is timed: three repetitions that do not count; then samples of so many repetitions that one lasts a millisecond, for the
   budget's time and at least five; least and median of the samples are printed. A repetition is the call as a user writes it, with the
   scope that frees the result. gemm rows write to a result that exists already; no public call does that, so they start the library's
   own gemm family, which is why this file holds the implementation. Before a row is timed its result is compared with plain loops in
   double precision, on a sample of the elements where it is large; a row that fails prints an error and the exit status is 1.
   Rows of whole models are compared with a copy of the model in f64: train/ the loss after some steps from the same start, infer/ what
   comes out. They are an error too where the host's allocator is called while they are timed. */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE                   /* sched_setaffinity */
#endif
#define TENSORGRAD_IMPLEMENTATION
#include "../tensorgrad.h"
#include "../examples/models/mlp.h"
#include "../examples/models/lenet.h"
#include "../examples/models/resnet.h"
#include "../examples/models/mobilenet_v2.h"
#include "../examples/models/rnn_lm.h"
#include "../examples/models/gpt2.h"
#include "rows.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__linux__)
#include <sched.h>
#include <time.h>
#include <unistd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#endif

#define COUNT(list) ((int)(sizeof(list) / sizeof((list)[0])))

typedef struct Row Row;
struct Row {
    char name[64];
    double flop, bytes;
    void (*make)(const Row *r);             /* inputs into A, B, ...; held by the row's scope */
    void (*once)(const Row *r);             /* one repetition; results into OUT */
    const char *(*check)(const Row *r);     /* NULL, or what is wrong with OUT */
    int64_t p[10];
    tg_tensor *(*fn)(tg_tensor *x);
    void (*build)(const Row *r);            /* of whole models: NET, and data into A, B, ... */
    tg_tensor *(*call)(tg_module *net);     /* what it gives; the loss, where it is trained */
    double lr;
    bool tail;                              /* repetitions are timed one by one too, for what the slowest ones take */
};

static Row rows[200];
static int n_rows;
static tg_ctx *tg;
static int threads = 1;
static bool rss;                                            /* peak memory is asked for: nothing is compared */
static tg_tensor *A, *B, *C, *G, *OUT[3], *LIST[8];
static char why[160];
static volatile double sink;

/* ---- reference functions; long double, so that no libm is needed ---- */
typedef long double real;
static real fabs_(real x) { return x < 0 ? -x : x; }
static real sqrt_(real x) {
    real y = x > 1 ? x : 1;
    int i;
    if (x <= 0) return 0;
    for (i = 0; i < 200; i++) { real z = (y + x / y) / 2; if (z >= y) break; y = z; }
    return y;
}
static real exp_(real x) {
    real k = x / 0.6931471805599453094172321214581766L, r, term = 1, sum = 1;
    int n = (int)(k < 0 ? k - 0.5L : k + 0.5L), i;
    r = x - n * 0.6931471805599453094172321214581766L;
    for (i = 1; i < 26; i++) { term *= r / i; sum += term; }
    for (; n > 0; n--) sum *= 2;
    for (; n < 0; n++) sum /= 2;
    return sum;
}
static double quick_exp(double x) {                          /* 1e-15 relative, for 5e7 of them; |x| < 700 */
    double k = x * 1.44269504088896340736, r, p = 1;
    int n = (int)(k < 0 ? k - 0.5 : k + 0.5), i;
    r = x - n * 0.6931471805599453;
    {
        static const double inverse[15] = { 0, 1, 1 / 2.0, 1 / 3.0, 1 / 4.0, 1 / 5.0, 1 / 6.0, 1 / 7.0, 1 / 8.0, 1 / 9.0, 1 / 10.0, 1 / 11.0, 1 / 12.0, 1 / 13.0, 1 / 14.0 };
        for (i = 14; i > 0; i--) p = 1 + p * r * inverse[i];
    }
    return p * tg__double((uint64_t)(n + 1023) << 52);
}
static real log_(real x) {                                  /* x > 0 */
    real y = 0;
    int i;
    while (x > 1.5L) { x /= 2; y += 0.6931471805599453094172321214581766L; }
    while (x < 0.7L) { x *= 2; y -= 0.6931471805599453094172321214581766L; }
    { real t = (x - 1) / (x + 1), p = t, s = 0; for (i = 1; i < 60; i += 2) { s += p / i; p *= t * t; } return y + 2 * s; }
}
static real tanh_(real x) {
    real e = 0, term = 1;
    int i;
    if (fabs_(x) > 0.5L) { e = exp_(-2 * fabs_(x)); e = (1 - e) / (1 + e); return x < 0 ? -e : e; }
    for (i = 1; i < 30; i++) { term *= 2 * x / i; e += term; }      /* exp(2x) - 1 */
    return e / (e + 2);
}
static real erfc_(real z) {
    real s, term;
    int i;
    if (z < 2 && z > -4) {
        s = term = z;
        for (i = 1; i < 120; i++) { term *= -z * z / i; s += term / (2 * i + 1); }
        return 1 - 1.12837916709551257389615890312154517L * s;
    }
    if (z <= -4) return 2 - erfc_(-z);
    s = 0;
    for (i = 120; i > 0; i--) s = i / 2.0L / (z + s);
    return exp_(-z * z) * 0.56418958354775628694807945156077259L / (z + s);
}
static real ref_exp(real x) { return exp_(x); }
static real ref_sigmoid(real x) { return x < 0 ? exp_(x) / (1 + exp_(x)) : 1 / (1 + exp_(-x)); }
static real ref_silu(real x) { return x * ref_sigmoid(x); }
static real ref_gelu_erf(real x) { return x * erfc_(-x * 0.70710678118654752440084436210484904L) / 2; }
static real ref_gelu_tanh(real x) { return x * ref_sigmoid(2 * 0.79788456080286535587989211986876373L * (x + 0.044715L * x * x * x)); }
static real ref_relu(real x) { return x > 0 ? x : 0; }

/* ---- small helpers ---- */
static double now(void) { return tg__seconds(); }
static uint64_t lcg_state = 1;
static uint64_t lcg(void) { lcg_state = lcg_state * 6364136223846793005u + 1442695040888963407u; return lcg_state >> 33; }
static int64_t below(int64_t n) { return (int64_t)((lcg() << 31 ^ lcg()) % (uint64_t)n); }
static float *f32(tg_tensor *t) { return (float *)t->data; }
static int64_t *i64(tg_tensor *t) { return (int64_t *)t->data; }
static tg_tensor *randn1(int64_t n) { return tg_randn(tg, 1, &n); }
static tg_tensor *randn2(int64_t a, int64_t b) { return tg_randn(tg, TG_SHAPE(a, b)); }
static double element(const tg_tensor *t, int64_t i) { return tg__get_f64((const char *)t->data + i * (int64_t)tg_dtype_size(t->dtype), t->dtype); }
static double largest(const tg_tensor *t) {
    double m = 0;
    int64_t i;
    for (i = 0; i < t->numel; i++) { double v = element(t, i); if (v < 0) v = -v; if (v > m) m = v; }
    return m;
}
static const char *wrong(const char *what, int64_t at, real got, real want) {
    snprintf(why, sizeof why, "check: %s[%lld] is %.9g, not %.9g", what, (long long)at, (double)got, (double)want);
    return why;
}
static real ulp_(real v) {                                  /* of a float of v's size */
    real u = 1;
    v = fabs_(v);
    if (v < 1e-37L) v = 1e-37L;
    while (u > v) u /= 2;
    while (u * 2 <= v) u *= 2;
    return u / 8388608;
}
#define OFF(got, want, bound) (!(fabs_((real)(got) - (real)(want)) <= (real)(bound)))      /* true for NaN too */

static Row *row(const char *name, double flop, double bytes, void (*make)(const Row *), void (*once)(const Row *), const char *(*check)(const Row *)) {
    Row *r = &rows[n_rows++];
    snprintf(r->name, sizeof r->name, "%s", name);
    r->flop = flop; r->bytes = bytes; r->make = make; r->once = once; r->check = check;
    return r;
}

/* ---- gemm; p: m, k, n, a is turned, b is turned, batch, dtype of a, of b, of c ---- */
static void gemm_make(const Row *r) {
    int64_t m = r->p[0], k = r->p[1], n = r->p[2], batch = r->p[5], i;
    if (r->p[6] == TG_U8) {
        A = tg_empty(tg, TG_SHAPE(m, k), TG_U8); B = tg_empty(tg, TG_SHAPE(k, n), TG_I8);
        for (i = 0; i < A->numel; i++) ((uint8_t *)A->data)[i] = (uint8_t)lcg();
        for (i = 0; i < B->numel; i++) ((int8_t *)B->data)[i] = (int8_t)(below(255) - 127);
    } else {
        A = tg_to(tg_randn(tg, TG_SHAPE(batch, r->p[3] ? k : m, r->p[3] ? m : k)), (tg_dtype)r->p[6]);
        B = tg_to(tg_randn(tg, TG_SHAPE(batch, r->p[4] ? n : k, r->p[4] ? k : n)), (tg_dtype)r->p[7]);
        if (batch == 1) { A = tg_squeeze(A, 0); B = tg_squeeze(B, 0); }
    }
    LIST[0] = r->p[3] ? tg_transpose(A, -2, -1) : A; LIST[1] = r->p[4] ? tg_transpose(B, -2, -1) : B;
    C = batch == 1 ? tg_empty(tg, TG_SHAPE(m, n), (tg_dtype)r->p[8]) : tg_empty(tg, TG_SHAPE(batch, m, n), (tg_dtype)r->p[8]);
    OUT[0] = C;
}
/* what tg_matmul does when its result exists */
static void gemm_once(const Row *r) { (void)r; (void)tg__matmul_into(tg, C, LIST[0], LIST[1]); }
static const char *gemm_check(const Row *r) {
    int64_t m = r->p[0], k = r->p[1], n = r->p[2], batch = r->p[5], t, l, count = m * n * batch;
    bool whole = count <= 4096;
    double bound = (double)(8 * sqrt_((real)k)) * largest(A) * largest(B) / (C->dtype == TG_F64 ? 9007199254740992.0 : 16777216.0);
    if (C->dtype == TG_I32) bound = 0;
    for (t = 0; t < (whole ? count : 4096); t++) {
        int64_t at = whole ? t : below(count), b = at / (m * n), i = at / n % m, j = at % n;
        double sum = 0, got = element(C, at);
        for (l = 0; l < k; l++) sum += element(A, b * m * k + (r->p[3] ? l * m + i : i * k + l)) * element(B, b * k * n + (r->p[4] ? j * k + l : l * n + j));
        if (OFF(got, sum, C->dtype == TG_BF16 ? bound + (double)fabs_(sum) / 256 : bound)) return wrong("c", at, got, sum);
    }
    return NULL;
}
static void gemm(const char *name, int64_t m, int64_t k, int64_t n, bool ta, bool tb, int64_t batch, tg_dtype a, tg_dtype b, tg_dtype c) {
    double bytes = (double)batch * ((double)tg_dtype_size(a) * (double)(m * k) + (double)tg_dtype_size(b) * (double)(k * n) + (double)tg_dtype_size(c) * (double)(m * n));
    Row *r = row(name, 2.0 * (double)(m * n * k * batch), bytes, gemm_make, gemm_once, gemm_check);
    r->p[0] = m; r->p[1] = k; r->p[2] = n; r->p[3] = ta; r->p[4] = tb; r->p[5] = batch; r->p[6] = a; r->p[7] = b; r->p[8] = c;
}
static void gemm_rows(void) {
    static const int64_t square[] = { 32, 64, 128, 256, 512, 1024, 2048 };
    static const int64_t skinny[][3] = { { 1, 4096, 4096 }, { 8, 4096, 4096 }, { 64, 784, 128 }, { 1024, 768, 3072 }, { 1024, 3072, 768 } };
    char name[64];
    int i, t;
    for (i = 0; i < COUNT(square); i++) {
        snprintf(name, sizeof name, "gemm/f32_nn_%d", (int)square[i]);
        gemm(name, square[i], square[i], square[i], false, false, 1, TG_F32, TG_F32, TG_F32);
    }
    for (t = 0; t < 2; t++) for (i = 0; i < COUNT(skinny); i++) {
        const int64_t *s = skinny[i];
        snprintf(name, sizeof name, "gemm/f32_%s_m%d_k%d_n%d", t ? "nt" : "nn", (int)s[0], (int)s[1], (int)s[2]);
        gemm(name, s[0], s[1], s[2], false, t != 0, 1, TG_F32, TG_F32, TG_F32);
    }
    for (i = 3; i < 6; i += 2) for (t = 0; t < 2; t++) {
        snprintf(name, sizeof name, "gemm/f32_%s_%d", t ? "tn" : "nt", (int)square[i]);
        gemm(name, square[i], square[i], square[i], t == 1, t == 0, 1, TG_F32, TG_F32, TG_F32);
    }
    gemm("gemm/f32_tn_m784_k64_n128", 784, 64, 128, true, false, 1, TG_F32, TG_F32, TG_F32);
    gemm("gemm/f32_tn_m768_k1024_n3072", 768, 1024, 3072, true, false, 1, TG_F32, TG_F32, TG_F32);
    gemm("gemm/f32_batch48_64", 64, 64, 64, false, false, 48, TG_F32, TG_F32, TG_F32);
    gemm("gemm/f64_nn_1024", 1024, 1024, 1024, false, false, 1, TG_F64, TG_F64, TG_F64);
    gemm("gemm/bf16_nn_1024", 1024, 1024, 1024, false, false, 1, TG_BF16, TG_BF16, TG_BF16);
    gemm("gemm/bf16_nt_m1_k4096_n4096", 1, 4096, 4096, false, true, 1, TG_BF16, TG_BF16, TG_BF16);
    gemm("gemm/int8_nn_1024", 1024, 1024, 1024, false, false, 1, TG_U8, TG_I8, TG_I32);
}

/* ---- linear with block-quantised weights, as a layer of so many rows calls it; p: m, k, n, dtype of the weight ---- */
static void blocks_make(const Row *r) {
    A = tg_randn(tg, TG_SHAPE(r->p[0], r->p[1]));
    B = tg_to(tg_randn(tg, TG_SHAPE(r->p[2], r->p[1])), (tg_dtype)r->p[3]);
}
static void blocks_once(const Row *r) { (void)r; OUT[0] = tg_linear(A, B, NULL); }
static const char *blocks_check(const Row *r) {
    const int64_t k = r->p[1], n = r->p[2];
    tg_tensor *w = tg_to(B, TG_F32);
    int64_t t, l;
    for (t = 0; t < 4096; t++) {
        const int64_t at = below(OUT[0]->numel);
        double sum = 0, got = element(OUT[0], at), size = 0;
        for (l = 0; l < k; l++) { const double v = element(A, at / n * k + l) * element(w, at % n * k + l); sum += v; size += v < 0 ? -v : v; }
        if (OFF(got, sum, 1e-6 * size)) return wrong("y", at, got, sum);
    }
    return NULL;
}
static void blocks_rows(void) {
    static const tg_dtype types[3] = { TG_Q8_0, TG_Q4_0, TG_F32 };
    int i, t;
    char name[64];
    for (t = 0; t < 3; t++) for (i = 0; i < 2; i++) {
        const int64_t m = i ? 64 : 1, k = 4096, n = 4096;
        Row *r;
        snprintf(name, sizeof name, "linear/%s_m%d_k4096_n4096", tg_dtype_name(types[t]), (int)m);
        r = row(name, 2.0 * (double)(m * n * k), (double)tg_dtype_bytes(types[t], n * k) + 4.0 * (double)(m * (n + k)), blocks_make, blocks_once, blocks_check);
        r->p[0] = m; r->p[1] = k; r->p[2] = n; r->p[3] = types[t];
    }
}

/* ---- conv; p: N, C, H, O, kernel, stride, padding, groups, first layer, size of the result ---- */
static void conv_make(const Row *r) {
    A = tg_randn(tg, TG_SHAPE(r->p[0], r->p[1], r->p[2], r->p[2]));
    B = tg_randn(tg, TG_SHAPE(r->p[3], r->p[1] / r->p[7], r->p[4], r->p[4]));
}
static tg_tensor *conv_call(const Row *r) {
    return tg_conv2d(A, B, NULL, .stride = { r->p[5], r->p[5] }, .padding = { r->p[6], r->p[6] }, .groups = r->p[7]);
}
static void conv_once(const Row *r) { OUT[0] = conv_call(r); }
static void conv_make_grad(const Row *r) {
    conv_make(r);
    G = tg_randn(tg, TG_SHAPE(r->p[0], r->p[3], r->p[9], r->p[9]));
    if (!r->p[8]) tg_require_grad(A, true);
    tg_require_grad(B, true);
}
static void conv_once_grad(const Row *r) {
    tg_tensor *y = conv_call(r), *in[2];
    in[0] = B; in[1] = A;
    OUT[0] = y;
    tg_grad(&y, 1, in, r->p[8] ? 1 : 2, OUT + 1, .grad_outputs = &G);
}
/* Result, weight's gradient and input's against the definition. */
static const char *conv_check_y(const Row *r, tg_tensor *x, tg_tensor *got, const char *what) {
    int64_t H = r->p[2], O = r->p[3], K = r->p[4], S = r->p[5], P = r->p[6], groups = r->p[7], Q = r->p[9];
    int64_t ci = r->p[1] / groups, co = O / groups, t, c, o, n, u, v, i, j;
    double bound = (double)(8 * sqrt_((real)(ci * K * K))) * largest(x) * largest(B) / 16777216.0;
    for (t = 0; t < 1000; t++) {
        int64_t at = below(got->numel);
        double sum = 0;
        j = at % Q; i = at / Q % Q; o = at / Q / Q % O; n = at / Q / Q / O;
        for (c = 0; c < ci; c++) for (u = 0; u < K; u++) for (v = 0; v < K; v++) {
            int64_t row = i * S + u - P, column = j * S + v - P;
            if (row >= 0 && row < H && column >= 0 && column < H) sum += (double)f32(x)[((n * r->p[1] + o / co * ci + c) * H + row) * H + column] * (double)f32(B)[((o * ci + c) * K + u) * K + v];
        }
        if (OFF(f32(got)[at], sum, bound)) return wrong(what, at, (real)f32(got)[at], sum);
    }
    return NULL;
}
static const char *conv_check_dw(const Row *r, tg_tensor *x, tg_tensor *g) {
    int64_t N = r->p[0], H = r->p[2], O = r->p[3], K = r->p[4], S = r->p[5], P = r->p[6], groups = r->p[7], Q = r->p[9];
    int64_t ci = r->p[1] / groups, co = O / groups, t, c, o, n, u, v, i, j;
    double bound = (double)(8 * sqrt_((real)(N * Q * Q))) * largest(x) * largest(g) / 16777216.0;
    for (t = 0; t < 50; t++) {
        int64_t at = below(OUT[1]->numel);
        double sum = 0;
        v = at % K; u = at / K % K; c = at / K / K % ci; o = at / K / K / ci;
        for (n = 0; n < N; n++) for (i = 0; i < Q; i++) for (j = 0; j < Q; j++) {
            int64_t row = i * S + u - P, column = j * S + v - P;
            if (row >= 0 && row < H && column >= 0 && column < H) sum += (double)f32(x)[((n * r->p[1] + o / co * ci + c) * H + row) * H + column] * (double)f32(g)[((n * O + o) * Q + i) * Q + j];
        }
        if (OFF(f32(OUT[1])[at], sum, bound)) return wrong("dw", at, (real)f32(OUT[1])[at], sum);
    }
    return NULL;
}
static const char *conv_check_dx(const Row *r, tg_tensor *g, tg_tensor *got, const char *what) {
    int64_t H = r->p[2], O = r->p[3], K = r->p[4], S = r->p[5], P = r->p[6], groups = r->p[7], Q = r->p[9];
    int64_t ci = r->p[1] / groups, co = O / groups, t, o, n, u, v, i, j;
    double bound = (double)(8 * sqrt_((real)(co * K * K))) * largest(B) * largest(g) / 16777216.0;
    for (t = 0; t < 1000; t++) {
        int64_t at = below(got->numel), x, y, ch;
        double sum = 0;
        x = at % H; y = at / H % H; ch = at / H / H % r->p[1]; n = at / H / H / r->p[1];
        for (o = ch / ci * co; o < (ch / ci + 1) * co; o++) for (u = 0; u < K; u++) for (v = 0; v < K; v++) {
            i = y + P - u; j = x + P - v;
            if (i < 0 || j < 0 || i % S || j % S || i / S >= Q || j / S >= Q) continue;
            sum += (double)f32(g)[((n * O + o) * Q + i / S) * Q + j / S] * (double)f32(B)[((o * ci + ch % ci) * K + u) * K + v];
        }
        if (OFF(f32(got)[at], sum, bound)) return wrong(what, at, (real)f32(got)[at], sum);
    }
    return NULL;
}
static const char *conv_check(const Row *r) {
    const char *why = conv_check_y(r, A, OUT[0], "y");
    if (!why && G) why = conv_check_dw(r, A, G);
    return why || !G || r->p[8] ? why : conv_check_dx(r, G, OUT[2], "dx");
}
/* ---- transposed; p as of the convolution whose gradient by its input it is ---- */
static void transpose_make(const Row *r) {
    A = tg_randn(tg, TG_SHAPE(r->p[0], r->p[3], r->p[9], r->p[9]));
    B = tg_randn(tg, TG_SHAPE(r->p[3], r->p[1], r->p[4], r->p[4]));
}
static tg_tensor *transpose_call(const Row *r) { return tg_conv_transpose2d(A, B, NULL, .stride = { r->p[5], r->p[5] }, .padding = { r->p[6], r->p[6] }); }
static void transpose_once(const Row *r) { OUT[0] = transpose_call(r); }
static void transpose_make_grad(const Row *r) {
    transpose_make(r);
    G = tg_randn(tg, TG_SHAPE(r->p[0], r->p[1], r->p[2], r->p[2]));
    tg_require_grad(A, true); tg_require_grad(B, true);
}
static void transpose_once_grad(const Row *r) {
    tg_tensor *y = transpose_call(r), *in[2];
    in[0] = B; in[1] = A;
    OUT[0] = y;
    tg_grad(&y, 1, in, 2, OUT + 1, .grad_outputs = &G);
}
static const char *transpose_check(const Row *r) {
    const char *why = conv_check_dx(r, A, OUT[0], "y");
    if (!why && G) why = conv_check_dw(r, G, A);
    return why || !G ? why : conv_check_y(r, G, OUT[2], "dx");
}
static void conv_rows(void) {
    static const struct { const char *name; int64_t p[9]; } list[] = {
        { "n8_c64_o64_hw56_k3", { 8, 64, 56, 64, 3, 1, 1, 1, 0 } },
        { "n8_c128_o128_hw28_k3", { 8, 128, 28, 128, 3, 1, 1, 1, 0 } },
        { "n8_c256_o64_hw56_k1", { 8, 256, 56, 64, 1, 1, 0, 1, 0 } },
        { "n8_c3_o64_hw224_k7s2", { 8, 3, 224, 64, 7, 2, 3, 1, 1 } },
        { "n8_dw32_hw112_k3", { 8, 32, 112, 32, 3, 1, 1, 32, 0 } },
        { "n64_c3_o32_hw32_k3", { 64, 3, 32, 32, 3, 1, 1, 1, 1 } },
        { "n64_c64_o128_hw16_k3", { 64, 64, 16, 128, 3, 1, 1, 1, 0 } },
        { "transpose_n64_c128_o64_hw8_k4s2", { 64, 64, 16, 128, 4, 2, 1, 1, 0 } },
    };
    char name[64];
    int i, back;
    for (i = 0; i < COUNT(list); i++) for (back = 0; back < 2; back++) {
        const int64_t *p = list[i].p;
        int64_t q = (p[2] + 2 * p[6] - p[4]) / p[5] + 1, weights = p[3] * (p[1] / p[7]) * p[4] * p[4];
        double times = back ? p[8] ? 2 : 3 : 1;
        Row *r;
        snprintf(name, sizeof name, "conv/%s/%s", list[i].name, back ? "fwdbwd" : "fwd");
        r = row(name, times * 2.0 * (double)(p[0] * q * q * weights), times * 4.0 * (double)(p[0] * p[1] * p[2] * p[2] + weights + p[0] * p[3] * q * q),
                back ? conv_make_grad : conv_make, back ? conv_once_grad : conv_once, conv_check);
        if (strncmp(list[i].name, "transpose", 9) == 0) {
            r->make = back ? transpose_make_grad : transpose_make; r->once = back ? transpose_once_grad : transpose_once; r->check = transpose_check;
        }
        memcpy(r->p, p, 9 * sizeof p[0]);
        r->p[9] = q;
    }
}

/* ---- resample; p: N, C, H, W, rows and columns of the result, mode, antialias ---- */
static void resample_make(const Row *r) { A = tg_randn(tg, TG_SHAPE(r->p[0], r->p[1], r->p[2], r->p[3])); }
static tg_tensor *resample_call(const Row *r) {
    return tg_interpolate(A, .antialias = r->p[7] != 0, .mode = (tg_interpolate_mode)r->p[6], .size = { r->p[4], r->p[5] });
}
static void resample_once(const Row *r) { OUT[0] = resample_call(r); }
static void resample_make_grad(const Row *r) {
    resample_make(r);
    tg_require_grad(A, true);
    G = tg_randn(tg, TG_SHAPE(r->p[0], r->p[1], r->p[4], r->p[5]));
}
static void resample_once_grad(const Row *r) { tg_tensor *y = resample_call(r); OUT[0] = y; tg_grad(&y, 1, &A, 1, &OUT[1], .grad_outputs = &G); }
/* the weight of element `at` of `in` in position i of `out` */
static double resample_weight(const Row *r, int64_t in, int64_t out, int64_t i, int64_t at) {
    const double scale = (double)in / (double)out, wide = r->p[7] && scale > 1 ? scale : 1, far = (double)fabs_(((double)at + 0.5 - ((double)i + 0.5) * scale) / wide);
    double sum = 0;
    int64_t k;
    if (r->p[6] == TG_INTERPOLATE_NEAREST) return at == i * in / out;
    for (k = 0; k < in && r->p[7]; k++) { const double d = (double)fabs_(((double)k + 0.5 - ((double)i + 0.5) * scale) / wide); sum += d < 1 ? 1 - d : 0; }
    if (r->p[7]) return far < 1 ? (1 - far) / sum : 0;
    { double place = ((double)i + 0.5) * scale - 0.5, d; if (place < 0) place = 0; if (place > (double)(in - 1)) place = (double)(in - 1); d = (double)fabs_((double)at - place); return d < 1 ? 1 - d : 0; }
}
static const char *resample_check(const Row *r) {
    const int64_t H = r->p[2], W = r->p[3], P = r->p[4], Q = r->p[5], plane = r->p[0] * r->p[1] - 1;
    int64_t s, h, w;
    for (s = 0; s < 40; s++) {
        const int64_t i = s * 37 % P, k = s * 101 % Q;
        double want = 0;
        for (h = 0; h < H; h++) {
            const double wh = resample_weight(r, H, P, i, h);
            for (w = 0; w < W && wh > 0; w++) want += wh * resample_weight(r, W, Q, k, w) * (double)f32(A)[(plane * H + h) * W + w];
        }
        if (OFF(f32(OUT[0])[(plane * P + i) * Q + k], want, 4e-6)) return wrong("y", (plane * P + i) * Q + k, (real)f32(OUT[0])[(plane * P + i) * Q + k], want);
    }
    return NULL;
}
static void resample_rows(void) {
    static const struct { const char *name; int64_t p[8]; bool back; } list[] = {
        { "bilinear2x_n8_c64_hw56", { 8, 64, 56, 56, 112, 112, TG_INTERPOLATE_BILINEAR, 0 }, true },
        { "nearest2x_n8_c64_hw56", { 8, 64, 56, 56, 112, 112, TG_INTERPOLATE_NEAREST, 0 }, true },
        { "antialias_c3_1080x1920_224", { 1, 3, 1080, 1920, 224, 224, TG_INTERPOLATE_BILINEAR, 1 }, false },
    };
    char name[64];
    int i, back;
    for (i = 0; i < COUNT(list); i++) for (back = 0; back <= list[i].back; back++) {
        const int64_t *p = list[i].p;
        const double in = (double)(p[0] * p[1] * p[2] * p[3]), out = (double)(p[0] * p[1] * p[4] * p[5]);
        Row *r;
        snprintf(name, sizeof name, "resample/%s/%s", list[i].name, back ? "fwdbwd" : "fwd");
        r = row(name, 0, (back ? 2 : 1) * 4.0 * (in + out), back ? resample_make_grad : resample_make, back ? resample_once_grad : resample_once, resample_check);
        memcpy(r->p, p, 8 * sizeof p[0]);
    }
}

/* ---- attn; p: B, H, Tq, Tk, D, causal ---- */
static void attn_make(const Row *r) {
    A = tg_randn(tg, TG_SHAPE(r->p[0], r->p[1], r->p[2], r->p[4]));
    B = tg_randn(tg, TG_SHAPE(r->p[0], r->p[1], r->p[3], r->p[4]));
    C = tg_randn(tg, TG_SHAPE(r->p[0], r->p[1], r->p[3], r->p[4]));
}
static void attn_once(const Row *r) { OUT[0] = tg_scaled_dot_product_attention(A, B, C, .is_causal = r->p[5] != 0); }
static void attn_make_grad(const Row *r) {
    attn_make(r);
    G = tg_randn(tg, TG_SHAPE(r->p[0], r->p[1], r->p[2], r->p[4]));
    tg_require_grad(A, true); tg_require_grad(B, true); tg_require_grad(C, true);
}
static void attn_once_grad(const Row *r) {
    tg_tensor *y = tg_scaled_dot_product_attention(A, B, C, .is_causal = r->p[5] != 0), *in[3];
    in[0] = A; in[1] = B; in[2] = C;
    tg_grad(&y, 1, in, 3, OUT, .grad_outputs = &G);
}
static double attn_dot(const float *a, const float *b, int64_t n) {
    double sum = 0;
    int64_t i;
    for (i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}
/* probabilities of query q of one head; returns how many keys it sees */
static int64_t attn_row(const Row *r, int64_t head, int64_t q, double *p) {
    int64_t seen = r->p[5] && q + 1 < r->p[3] ? q + 1 : r->p[3], d = r->p[4], k;
    double top = -1e30, sum = 0, scale = 1 / (double)sqrt_((real)d);
    for (k = 0; k < seen; k++) { p[k] = scale * attn_dot(f32(A) + (head * r->p[2] + q) * d, f32(B) + (head * r->p[3] + k) * d, d); if (p[k] > top) top = p[k]; }
    for (k = 0; k < seen; k++) sum += p[k] = quick_exp(p[k] - top);
    for (k = 0; k < seen; k++) p[k] /= sum;
    return seen;
}
static const char *attn_check(const Row *r) {
    int64_t tq = r->p[2], tk = r->p[3], d = r->p[4], t, k, c, q;
    double *p = (double *)malloc((size_t)tk * sizeof *p), scale = 1 / (double)sqrt_((real)d);
    const char *bad = NULL;
    for (t = 0; t < 40 && !bad && !G; t++) {
        int64_t head = below(r->p[0] * r->p[1]), seen;
        q = below(tq); seen = attn_row(r, head, q, p);
        for (c = 0; c < d && !bad; c++) {
            double y = 0;
            for (k = 0; k < seen; k++) y += p[k] * (double)f32(C)[(head * tk + k) * d + c];
            if (OFF(f32(OUT[0])[(head * tq + q) * d + c], y, 4e-6 * largest(C))) bad = wrong("y", (head * tq + q) * d + c, (real)f32(OUT[0])[(head * tq + q) * d + c], y);
        }
    }
    if (G && !bad) {                                        /* one head: dq of some queries, dk and dv of some keys */
        int64_t head = below(r->p[0] * r->p[1]), i, step = tk / 8, off = step > 3 ? 3 : 0;
        double *dk = (double *)calloc((size_t)(8 * d), sizeof *dk), *dv = (double *)calloc((size_t)(8 * d), sizeof *dv), bound = 2e-5 * largest(G) * (largest(C) > largest(A) ? largest(C) : largest(A));
        for (q = 0; q < tq && !bad; q++) {
            int64_t seen = attn_row(r, head, q, p);
            const float *g = f32(G) + (head * tq + q) * d;
            double delta = 0, dq[1024] = { 0 };
            for (k = 0; k < seen; k++) delta += p[k] * attn_dot(g, f32(C) + (head * tk + k) * d, d);
            for (k = 0; k < seen; k++) {
                double ds = q % 37 == 0 || k % step == off ? p[k] * (attn_dot(g, f32(C) + (head * tk + k) * d, d) - delta) * scale : 0;
                if (q % 37 == 0) for (c = 0; c < d; c++) dq[c] += ds * (double)f32(B)[(head * tk + k) * d + c];
                if (k % step != off || k / step > 7) continue;
                for (c = 0; c < d; c++) { dk[k / step * d + c] += ds * (double)f32(A)[(head * tq + q) * d + c]; dv[k / step * d + c] += p[k] * (double)g[c]; }
            }
            for (c = 0; c < d && q % 37 == 0 && !bad; c++) if (OFF(f32(OUT[0])[(head * tq + q) * d + c], dq[c], bound)) bad = wrong("dq", (head * tq + q) * d + c, (real)f32(OUT[0])[(head * tq + q) * d + c], dq[c]);
        }
        for (i = 0; i < 8 * d && !bad; i++) {
            int64_t at = (head * tk + i / d * step + off) * d + i % d;
            if (OFF(f32(OUT[1])[at], dk[i], bound)) bad = wrong("dk", at, (real)f32(OUT[1])[at], dk[i]);
            else if (OFF(f32(OUT[2])[at], dv[i], bound)) bad = wrong("dv", at, (real)f32(OUT[2])[at], dv[i]);
        }
        free(dk); free(dv);
    }
    free(p);
    return bad;
}
static void attn_rows(void) {
    static const struct { const char *name; int64_t p[6]; } list[] = {
        { "causal_b4_h12_t256_d64", { 4, 12, 256, 256, 64, 1 } },
        { "causal_b1_h12_t1024_d64", { 1, 12, 1024, 1024, 64, 1 } },
        { "full_b1_h12_t512_d64", { 1, 12, 512, 512, 64, 0 } },
        { "decode_b1_h12_t4096_d64", { 1, 12, 1, 4096, 64, 0 } },       /* one token before a cache of keys and values */
        { "tiny_b1_h2_t8_d16", { 1, 2, 8, 8, 16, 0 } },
    };
    char name[64];
    int i, back;
    for (i = 0; i < COUNT(list); i++) for (back = 0; back < 2; back++) {
        const int64_t *p = list[i].p;
        double flop = 4.0 * (double)(p[0] * p[1] * p[2] * p[3] * p[4]) / (p[5] ? 2 : 1), bytes = 8.0 * (double)(p[0] * p[1] * (p[2] + p[3]) * p[4]);
        if (back && p[2] == 1) continue;
        snprintf(name, sizeof name, "attn/%s/%s", list[i].name, back ? "fwdbwd" : "fwd");
        memcpy(row(name, back ? 3.5 * flop : flop, back ? 2.5 * bytes : bytes, back ? attn_make_grad : attn_make, back ? attn_once_grad : attn_once, attn_check)->p, p, 6 * sizeof p[0]);
    }
}

/* ---- mem ---- */
static void make_ab(const Row *r) { A = randn1(r->p[0]); B = randn1(r->p[0]); }
static void once_add(const Row *r) { (void)r; OUT[0] = tg_add(A, B); }
static const char *check_add(const Row *r) {
    int64_t i;
    for (i = 0; i < r->p[0]; i++) { volatile float v = f32(A)[i] + f32(B)[i]; if (OFF(f32(OUT[0])[i], v, 0)) return wrong("y", i, (real)f32(OUT[0])[i], (real)v); }
    return NULL;
}

static void make_chain(const Row *r) {
    A = randn1(1000000); B = randn1(1000000); C = randn1(1000000);
    if (!r->p[1]) return;
    G = randn1(1000000);
    tg_require_grad(A, true); tg_require_grad(B, true); tg_require_grad(C, true);
}
static void once_chain(const Row *r) {
    tg_tensor *y = tg_add(tg_mul(tg_sub(tg_mul(tg_add(tg_mul(A, B), C), A), B), C), A), *in[3];
    OUT[0] = y;
    if (!r->p[1]) return;
    in[0] = A; in[1] = B; in[2] = C;
    tg_grad(&y, 1, in, 3, OUT, .grad_outputs = &G);
}
static const char *check_chain(const Row *r) {
    int64_t i;
    for (i = 0; i < 1000000; i += 7) {
        double a = (double)f32(A)[i], b = (double)f32(B)[i], c = (double)f32(C)[i], want[3], mag;
        int k;
        mag = (double)((fabs_(a * b) * 2 + fabs_(c)) * (fabs_(a) + fabs_(c)) + (fabs_(b) + a * a + 1) * (1 + fabs_(c)) + fabs_(a));
        want[0] = ((a * b + c) * a - b) * c + a;
        if (r->p[1]) {
            double g = (double)f32(G)[i];
            want[0] = g * ((2 * a * b + c) * c + 1); want[1] = g * (a * a - 1) * c; want[2] = g * ((a * b + c) * a - b + a * c);
            mag *= (double)fabs_(g);
        }
        for (k = 0; k < (r->p[1] ? 3 : 1); k++) if (OFF(f32(OUT[k])[i], want[k], 12 * mag / 16777216.0)) return wrong("y", i, (real)f32(OUT[k])[i], want[k]);
    }
    return NULL;
}

static void make_a(const Row *r) { A = r->p[1] ? randn2(r->p[0], r->p[1]) : randn1(r->p[0]); }
static void once_fn(const Row *r) { OUT[0] = r->fn(A); }
static real (*unary_ref)(real x);
static const char *check_unary(const Row *r) {
    static const struct { const char *name; real (*ref)(real x); } list[] = {
        { "mem/exp_1e6", ref_exp }, { "mem/tanh_1e6", tanh_ }, { "mem/relu_1e6", ref_relu }, { "mem/sigmoid_1e6", ref_sigmoid },
        { "mem/gelu_erf_1e6", ref_gelu_erf }, { "mem/gelu_tanh_1e6", ref_gelu_tanh }, { "mem/silu_1e6", ref_silu },
    };
    int64_t i;
    int k;
    for (k = 0; k < COUNT(list); k++) if (strcmp(list[k].name, r->name) == 0) unary_ref = list[k].ref;
    for (i = 0; i < A->numel; i += 13) {
        real want = unary_ref((real)f32(A)[i]), bound = 4 * ulp_(want);
        if (bound < 1e-7L && want > -1 && want < 1) bound = unary_ref == ref_exp ? bound : 1e-7L;
        if (unary_ref == ref_relu) bound = 0;
        if (OFF(f32(OUT[0])[i], want, bound)) return wrong("y", i, (real)f32(OUT[0])[i], want);
    }
    return NULL;
}
static void once_dropout(const Row *r) { (void)r; OUT[0] = tg_dropout(A, 0.1, true); }
static const char *check_dropout(const Row *r) {
    int64_t i, zeros = 0;
    (void)r;
    for (i = 0; i < A->numel; i++) {
        float y = f32(OUT[0])[i];
        real want = (real)f32(A)[i] / 0.9L;
        if (y == 0) zeros++;
        else if (OFF(y, want, 2 * ulp_(want))) return wrong("y", i, (real)y, want);
    }
    return zeros < 98500 || zeros > 101500 ? wrong("zeros", 0, (real)zeros, 100000) : NULL;
}

static void make_bcast(const Row *r) { (void)r; A = randn2(1024, 1024); B = randn1(1024); }
static const char *check_bcast(const Row *r) {
    int64_t i;
    (void)r;
    for (i = 0; i < A->numel; i++) { volatile float v = f32(A)[i] + f32(B)[i % 1024]; if (OFF(f32(OUT[0])[i], v, 0)) return wrong("y", i, (real)f32(OUT[0])[i], (real)v); }
    return NULL;
}
static void once_transpose(const Row *r) { (void)r; OUT[0] = tg_contiguous(tg_t(A)); }
static const char *check_transpose(const Row *r) {
    int64_t i, n = r->p[0];
    for (i = 0; i < n * n; i++) if (OFF(f32(OUT[0])[i], f32(A)[i % n * n + i / n], 0)) return wrong("y", i, (real)f32(OUT[0])[i], (real)f32(A)[i % n * n + i / n]);
    return NULL;
}
static void make_permute(const Row *r) { (void)r; A = tg_randn(tg, TG_SHAPE(8, 256, 12, 64)); }
static void once_permute(const Row *r) { (void)r; OUT[0] = tg_contiguous(tg_permute(A, TG_DIMS(0, 2, 1, 3))); }
static const char *check_permute(const Row *r) {
    int64_t i;
    (void)r;
    for (i = 0; i < A->numel; i++) {
        float want = f32(A)[((i / 64 / 256 / 12 * 256 + i / 64 % 256) * 12 + i / 64 / 256 % 12) * 64 + i % 64];
        if (OFF(f32(OUT[0])[i], want, 0)) return wrong("y", i, (real)f32(OUT[0])[i], (real)want);
    }
    return NULL;
}

static void once_sum(const Row *r) { (void)r; OUT[0] = tg_sum(A); }
static void once_sum0(const Row *r) { (void)r; OUT[0] = tg_sum_dims(A, TG_DIMS(0), false); }
static void once_sum1(const Row *r) { (void)r; OUT[0] = tg_sum_dims(A, TG_DIMS(1), false); }
static const char *check_sum(const Row *r) {                /* p: n, columns or 0, summed dimension */
    int64_t i, k, outs = r->p[1] ? r->p[1] : 1, each = r->p[0];
    for (i = 0; i < outs; i++) {
        real sum = 0, mag = 0;
        for (k = 0; k < each; k++) { real v = (real)f32(A)[r->p[1] ? r->p[2] ? i * each + k : k * outs + i : k]; sum += v; mag += fabs_(v); }
        if (OFF(f32(OUT[0])[i], sum, 1e-6L * mag)) return wrong("sum", i, (real)f32(OUT[0])[i], sum);
    }
    return NULL;
}
static void once_argmax(const Row *r) { (void)r; OUT[0] = tg_argmax_dim(A, 1, false); }
static const char *check_argmax(const Row *r) {
    int64_t i, k, n = r->p[1];
    for (i = 0; i < r->p[0]; i++) {
        int64_t best = 0;
        for (k = 1; k < n; k++) if (f32(A)[i * n + k] > f32(A)[i * n + best]) best = k;
        if (i64(OUT[0])[i] != best) return wrong("argmax", i, (real)i64(OUT[0])[i], (real)best);
    }
    return NULL;
}
static void once_softmax(const Row *r) { (void)r; OUT[0] = tg_softmax(A, -1); }
static const char *check_softmax(const Row *r) {
    int64_t i, k, n = r->p[1];
    for (i = 0; i < r->p[0]; i += 41) {
        real sum = 0;
        for (k = 0; k < n; k++) sum += exp_((real)f32(A)[i * n + k]);
        for (k = 0; k < n; k++) {
            real want = exp_((real)f32(A)[i * n + k]) / sum;
            if (OFF(f32(OUT[0])[i * n + k], want, 2e-6L * want)) return wrong("y", i * n + k, (real)f32(OUT[0])[i * n + k], want);
        }
    }
    return NULL;
}
static void make_entropy(const Row *r) { (void)r; A = tg_require_grad(randn2(1024, 50257), true); B = tg_randint(tg, 0, 50257, TG_SHAPE(1024)); }
static void once_entropy(const Row *r) {
    tg_tensor *y = tg_cross_entropy(A, B);
    (void)r;
    OUT[0] = y;
    tg_grad(&y, 1, &A, 1, OUT + 1);
}
static const char *check_entropy(const Row *r) {            /* the loss over all rows, the gradients of three */
    int64_t i, k, n = 50257;
    real loss = 0;
    (void)r;
    for (i = 0; i < 1024; i++) {
        real sum = 0;
        const float *x = f32(A) + i * n;
        for (k = 0; k < n; k++) sum += i % 400 ? (real)quick_exp((double)x[k]) : exp_((real)x[k]);
        loss += log_(sum) - (real)x[i64(B)[i]];
        if (i % 400) continue;
        for (k = 0; k < n; k++) {
            real want = (exp_((real)x[k]) / sum - (k == i64(B)[i])) / 1024;
            if (OFF(f32(OUT[1])[i * n + k], want, 2e-6L * fabs_(want))) return wrong("dx", i * n + k, (real)f32(OUT[1])[i * n + k], want);
        }
    }
    loss /= 1024;
    return OFF(f32(OUT[0])[0], loss, 2e-6L * loss) ? wrong("loss", 0, (real)f32(OUT[0])[0], loss) : NULL;
}
static void make_embedding(const Row *r) { (void)r; A = randn2(50257, 768); B = tg_randint(tg, 0, 50257, TG_SHAPE(4096)); }
static void once_embedding(const Row *r) { (void)r; OUT[0] = tg_index_select(A, 0, B); }
static const char *check_embedding(const Row *r) {
    int64_t i;
    (void)r;
    for (i = 0; i < 4096; i++) if (memcmp(f32(OUT[0]) + i * 768, f32(A) + i64(B)[i] * 768, 768 * sizeof(float)) != 0) return wrong("row", i, 0, 0);
    return NULL;
}
static void once_cumsum(const Row *r) { OUT[0] = tg_cumsum(A, r->p[1] ? 1 : 0); }
static const char *check_cumsum(const Row *r) {
    const int64_t n = r->p[1] ? r->p[1] : r->p[0];
    double sum = 0, all = 0;
    int64_t i;
    for (i = 0; i < A->numel; i++) {
        if (i % n == 0) sum = all = 0;
        sum += (double)f32(A)[i]; all += f32(A)[i] < 0 ? -(double)f32(A)[i] : (double)f32(A)[i];
        if (OFF(f32(OUT[0])[i], sum, 1e-6 * all)) return wrong("y", i, (real)f32(OUT[0])[i], sum);
    }
    return NULL;
}
/* 2x2 windows of pictures; with gradient */
static void make_pool(const Row *r) { A = tg_require_grad(tg_randn(tg, TG_SHAPE(32, 64, 56, 56)), r->p[0] != 0); B = tg_randn(tg, TG_SHAPE(32, 64, 28, 28)); }
static void once_pool(const Row *r) {
    OUT[0] = tg_max_pool2d(A, .kernel = {2});
    if (r->p[0]) (void)tg_grad(&OUT[0], 1, &A, 1, &OUT[1], .grad_outputs = &B);
}
static const char *check_pool(const Row *r) {
    int64_t i;
    for (i = 0; i < OUT[0]->numel; i += 37) {
        const int64_t line = i / 28, at = (line / 28 * 56 + line % 28 * 2) * 56 + i % 28 * 2;
        const float *x = f32(A) + at;
        float most = x[0];
        int64_t k, spot = 0;
        static const int64_t off[4] = { 0, 1, 56, 57 };
        for (k = 1; k < 4; k++) if (x[off[k]] > most) { most = x[off[k]]; spot = off[k]; }
        if (f32(OUT[0])[i] != most) return wrong("y", i, (real)f32(OUT[0])[i], (real)most);
        if (r->p[0]) for (k = 0; k < 4; k++) if (f32(OUT[1])[at + off[k]] != (off[k] == spot ? f32(B)[i] : 0)) return wrong("dx", at + off[k], (real)f32(OUT[1])[at + off[k]], (real)f32(B)[i]);
    }
    return NULL;
}
/* p: which normalisation, backwards too, sizes [n, c, s]; a row of layer and rms is [s] */
enum { LAYER_NORM, RMS_NORM, GROUP_NORM, BATCH_NORM };
static void make_norm(const Row *r) {
    const bool last = r->p[0] <= RMS_NORM, back = r->p[1] != 0;
    const int64_t n = last ? r->p[4] : r->p[3];
    A = last ? randn2(r->p[2], n) : tg_randn(tg, TG_SHAPE(r->p[2], r->p[3], r->p[4], r->p[4]));
    G = tg_randn(tg, A->ndim, A->shape);
    tg_require_grad(A, back);
    B = tg_require_grad(randn1(n), back); C = tg_require_grad(randn1(n), back);
    LIST[1] = tg_zeros(tg, TG_SHAPE(n)); LIST[2] = tg_ones(tg, TG_SHAPE(n));
}
static void once_norm(const Row *r) {
    tg_tensor *in[3], *g[3];
    switch (r->p[0]) {
        case LAYER_NORM: OUT[0] = tg_layer_norm(A, TG_SHAPE(r->p[4]), B, C, 1e-5); break;
        case RMS_NORM: OUT[0] = tg_rms_norm(A, TG_SHAPE(r->p[4]), B, 1e-5); break;
        case GROUP_NORM: OUT[0] = tg_group_norm(A, 8, B, C, 1e-5); break;
        default: OUT[0] = tg_batch_norm(A, LIST[1], LIST[2], B, C, true, 0.1, 1e-5); break;
    }
    if (!r->p[1]) return;
    in[0] = A; in[1] = B; in[2] = C;
    (void)tg_grad(&OUT[0], 1, in, r->p[0] == RMS_NORM ? 2 : 3, g, .grad_outputs = &G);
    OUT[1] = g[0]; OUT[2] = g[1]; LIST[0] = g[2];
}
static const char *check_norm(const Row *r) {               /* all rows; of the weights' gradients every 7th */
    const bool last = r->p[0] <= RMS_NORM, back = r->p[1] != 0;
    const int64_t c = r->p[3], s = last ? r->p[4] : r->p[4] * r->p[4];
    const int64_t rows = last ? r->p[2] : r->p[0] == GROUP_NORM ? r->p[2] * 8 : c, length = A->numel / rows, many = B->numel;
    const float *x = f32(A), *w = f32(B), *b = f32(C), *g = f32(G);
    double *dw = (double *)calloc((size_t)(2 * many), sizeof *dw), *db = dw + many;
    const char *bad = dw ? NULL : "check: out of memory";
    int64_t i, k;
    for (i = 0; i < rows && !bad; i++) {
        double mean = 0, var = 0, sum = 0, dot = 0, scale;
        int pass;
        for (pass = 0; pass < 4 && !bad; pass++) for (k = 0; k < length && !bad; k++) {
            const int64_t at = r->p[0] == BATCH_NORM ? (k / s * c + i) * s + k % s : i * length + k, of = last ? k : at / s % c;
            const double d = (double)x[at] - mean, h = (double)g[at] * (double)w[of];
            if (pass == 0) { if (r->p[0] != RMS_NORM) sum += (double)x[at] / (double)length; if (k == length - 1) { mean = sum; sum = 0; } continue; }
            if (pass == 1) { var += d * d / (double)length; continue; }
            scale = 1 / (double)sqrt_(var + 1e-5L);
            if (pass == 2) {
                const double want = d * scale * (double)w[of] + (r->p[0] == RMS_NORM ? 0 : (double)b[of]);
                if (OFF(f32(OUT[0])[at], want, 4e-6 * (1 + fabs_(want)))) bad = wrong("y", at, (real)f32(OUT[0])[at], want);
                sum += h / (double)length; dot += h * d * scale / (double)length;
                dw[of] += (double)g[at] * d * scale; db[of] += (double)g[at];
            } else if (back) {
                const double want = scale * (h - (r->p[0] == RMS_NORM ? 0 : sum) - d * scale * dot);
                if (OFF(f32(OUT[1])[at], want, 1e-5 * (1 + fabs_(want)))) bad = wrong("dx", at, (real)f32(OUT[1])[at], want);
            }
        }
    }
    for (i = 0; i < many && !bad && back; i += 7) {
        if (OFF(f32(OUT[2])[i], dw[i], 1e-3)) bad = wrong("dw", i, (real)f32(OUT[2])[i], dw[i]);
        else if (LIST[0] && r->p[0] != RMS_NORM && OFF(f32(LIST[0])[i], db[i], 1e-3)) bad = wrong("db", i, (real)f32(LIST[0])[i], db[i]);
    }
    free(dw);
    return bad;
}
static void norm_rows(void) {
    static const struct { const char *name; int kind, back, passes; int64_t n, c, s; } list[] = {
        { "mem/layernorm_4096x768/fwd", LAYER_NORM, 0, 2, 4096, 1, 768 }, { "mem/layernorm_4096x768/fwdbwd", LAYER_NORM, 1, 5, 4096, 1, 768 },
        { "mem/rmsnorm_4096x768/fwdbwd", RMS_NORM, 1, 5, 4096, 1, 768 }, { "mem/groupnorm8_16x64x32x32/fwd", GROUP_NORM, 0, 2, 16, 64, 32 },
        { "mem/batchnorm_train_32x64x56x56/fwd", BATCH_NORM, 0, 3, 32, 64, 56 }, { "mem/batchnorm_train_32x64x56x56/fwdbwd", BATCH_NORM, 1, 8, 32, 64, 56 },
    };
    int i;
    for (i = 0; i < COUNT(list); i++) {
        const double size = (double)(list[i].n * list[i].c * list[i].s) * (list[i].kind <= RMS_NORM ? 1 : (double)list[i].s);
        Row *r = row(list[i].name, 0, 4.0 * list[i].passes * size, make_norm, once_norm, check_norm);
        r->p[0] = list[i].kind; r->p[1] = list[i].back; r->p[2] = list[i].n; r->p[3] = list[i].c; r->p[4] = list[i].s;
    }
}
static void once_sort(const Row *r) { (void)r; OUT[0] = tg_sort(A, 0, false, &OUT[1]); }
static const char *check_sort(const Row *r) {
    int64_t i, n = r->p[0];
    const char *bad = NULL;
    char *seen = (char *)calloc((size_t)n, 1);
    if (!seen) return "check: out of memory";
    for (i = 0; i < n && !bad; i++) {
        int64_t at = i64(OUT[1])[i];
        if (at < 0 || at >= n || seen[at] || OFF(f32(OUT[0])[i], f32(A)[at], 0)) bad = wrong("index", i, (real)at, 0);
        else seen[at] = 1;
        if (!bad && i > 0 && !(f32(OUT[0])[i - 1] <= f32(OUT[0])[i])) bad = wrong("y", i, (real)f32(OUT[0])[i], (real)f32(OUT[0])[i - 1]);
    }
    free(seen);
    return bad;
}
static void once_topk(const Row *r) { OUT[0] = tg_topk(A, r->p[2], 1, true, &OUT[1]); }
static const char *check_topk(const Row *r) {               /* in order, and nothing else of the row is larger than the last one */
    const int64_t n = r->p[1], k = r->p[2];
    int64_t i, c, above;
    for (i = 0; i < r->p[0]; i++) {
        const float *x = f32(A) + i * n, *y = f32(OUT[0]) + i * k;
        const int64_t *at = i64(OUT[1]) + i * k;
        for (c = 0; c < k; c++) if (at[c] < 0 || at[c] >= n || OFF(y[c], x[at[c]], 0) || (c && (y[c] > y[c - 1] || at[c] == at[c - 1]))) return wrong("index", i * k + c, (real)at[c], 0);
        for (c = above = 0; c < n; c++) above += x[c] > y[k - 1];
        if (above >= k) return wrong("larger", i, (real)above, (real)(k - 1));
    }
    return NULL;
}
static void make_cat(const Row *r) { int i; (void)r; for (i = 0; i < 8; i++) LIST[i] = randn1(100000); }
static void once_cat(const Row *r) { (void)r; OUT[0] = tg_cat(LIST, 8, 0); }
static const char *check_cat(const Row *r) {
    int i;
    (void)r;
    for (i = 0; i < 8; i++) if (memcmp(f32(OUT[0]) + i * 100000, f32(LIST[i]), 100000 * sizeof(float)) != 0) return wrong("part", i, 0, 0);
    return NULL;
}
static void make_none(const Row *r) { (void)r; A = NULL; }
static void once_randn(const Row *r) { (void)r; OUT[0] = tg_randn(tg, TG_SHAPE(1000000)); }
static const char *check_randn(const Row *r) {              /* moments, and the share beyond two deviations */
    double s1 = 0, s2 = 0, s4 = 0, beyond = 0, n = 1000000;
    int64_t i;
    (void)r;
    for (i = 0; i < 1000000; i++) {
        double v = (double)f32(OUT[0])[i];
        s1 += v; s2 += v * v; s4 += v * v * v * v;
        beyond += v > 2 || v < -2;
    }
    if (OFF(s1 / n, 0, 0.006)) return wrong("mean", 0, s1 / n, 0);
    if (OFF(s2 / n, 1, 0.01)) return wrong("variance", 0, s2 / n, 1);
    if (OFF(s4 / n, 3, 0.08)) return wrong("4th moment", 0, s4 / n, 3);
    return OFF(beyond / n, 0.0455003, 0.0015) ? wrong("tail", 0, beyond / n, 0.0455003) : NULL;
}
/* ---- optimisers; training; p: sizes of the layers, batch ---- */
static tg_optim *OPT;
static double clipped;
static void make_adamw(const Row *r) {
    (void)r;
    tg_optim_free(OPT);
    A = tg_require_grad(randn1(10000000), true); B = randn1(10000000); C = tg_clone(tg_detach(A));
    (void)tg_backward(A, .gradient = B);
    OPT = tg_adamw(&A, 1, 1e-4);
}
static void once_adamw(const Row *r) { (void)r; (void)tg_optim_step(OPT); }
static const char *check_adamw(const Row *r) {               /* the first step: m and v are the gradient's, corrected */
    int64_t i;
    (void)r;
    for (i = 0; i < A->numel; i += 7) {
        const double g = (double)f32(B)[i], want = (double)f32(C)[i] * (1 - 1e-4 * 0.01) - 1e-4 * g / ((g < 0 ? -g : g) + 1e-8);
        if (OFF(f32(A)[i], want, 3e-7 * (1 + fabs_(want)))) return wrong("p", i, f32(A)[i], want);
    }
    return NULL;
}
static void make_clip(const Row *r) { make_adamw(r); clipped = 1; }
static void once_clip(const Row *r) { (void)r; clipped = 0.999 * tg_clip_grad_norm_(&A, 1, clipped); }      /* a little less each time, so that each scales */
static const char *check_clip(const Row *r) {
    double sum = 0;
    int64_t i;
    (void)r;
    for (i = 0; i < B->numel; i++) sum += (double)f32(B)[i] * (double)f32(B)[i];
    sum = (double)sqrt_(sum);
    if (OFF(clipped, 0.999 * sum, 1e-6 * sum)) return wrong("norm", 0, clipped / 0.999, sum);
    for (i = 0; i < B->numel; i += 7) if (OFF(f32(A->grad)[i], (double)f32(B)[i] / sum, 1e-6 * (double)fabs_(f32(B)[i]))) return wrong("g", i, f32(A->grad)[i], (double)f32(B)[i] / sum);
    clipped = 1;
    return NULL;
}
static void optim_rows(void) {
    row("mem/adamw_step_1e7", 0, 28e7, make_adamw, once_adamw, check_adamw);
    row("mem/clip_grad_norm_1e7", 0, 12e7, make_clip, once_clip, check_clip);
}

static void mem_rows(void) {
    static const struct { const char *name; int64_t n; } adds[] = { { "mem/add_1e3", 1000 }, { "mem/add_1e5", 100000 }, { "mem/add_1e7", 10000000 } };
    static const struct { const char *name; tg_tensor *(*fn)(tg_tensor *); } unary[] = {
        { "mem/exp_1e6", tg_exp }, { "mem/tanh_1e6", tg_tanh }, { "mem/relu_1e6", tg_relu }, { "mem/sigmoid_1e6", tg_sigmoid },
        { "mem/gelu_erf_1e6", tg_gelu }, { "mem/gelu_tanh_1e6", tg_gelu_tanh }, { "mem/silu_1e6", tg_silu },
    };
    Row *r;
    int i;
    for (i = 0; i < 3; i++) { r = row(adds[i].name, (double)adds[i].n, 12.0 * (double)adds[i].n, make_ab, once_add, check_add); r->p[0] = adds[i].n; }
    row("mem/chain6_1e6", 6e6, 16e6, make_chain, once_chain, check_chain);
    row("mem/chain6_1e6/fwdbwd", 20e6, 40e6, make_chain, once_chain, check_chain)->p[1] = 1;
    for (i = 0; i < COUNT(unary); i++) { r = row(unary[i].name, 1e6, 8e6, make_a, once_fn, check_unary); r->fn = unary[i].fn; r->p[0] = 1000000; }
    row("mem/dropout_1e6", 0, 8e6, make_a, once_dropout, check_dropout)->p[0] = 1000000;
    row("mem/bcast_add_1024x1024", 1024 * 1024, 8.0 * 1024 * 1024, make_bcast, once_add, check_bcast);
    r = row("mem/transpose_copy_2048", 0, 8.0 * 2048 * 2048, make_a, once_transpose, check_transpose); r->p[0] = r->p[1] = 2048;
    row("mem/permute_copy_0213_8x256x12x64", 0, 8.0 * 8 * 256 * 12 * 64, make_permute, once_permute, check_permute);
    row("mem/sum_all_1e7", 1e7, 4e7, make_a, once_sum, check_sum)->p[0] = 10000000;
    r = row("mem/sum_dim0_2048", 2048.0 * 2048, 4 * 2048.0 * 2048, make_a, once_sum0, check_sum); r->p[0] = r->p[1] = 2048;
    r = row("mem/sum_dim1_2048", 2048.0 * 2048, 4 * 2048.0 * 2048, make_a, once_sum1, check_sum); r->p[0] = r->p[1] = 2048; r->p[2] = 1;
    r = row("mem/argmax_dim1_2048", 2048.0 * 2048, 4 * 2048.0 * 2048, make_a, once_argmax, check_argmax); r->p[0] = r->p[1] = 2048;
    r = row("mem/softmax_4096x1024", 0, 8.0 * 4096 * 1024, make_a, once_softmax, check_softmax); r->p[0] = 4096; r->p[1] = 1024;
    row("mem/cross_entropy_1024x50257/fwdbwd", 0, 8.0 * 1024 * 50257, make_entropy, once_entropy, check_entropy);
    row("mem/embedding_4096_of_50257x768", 0, 8.0 * 4096 * 768, make_embedding, once_embedding, check_embedding);
    row("mem/maxpool2_32x64x56x56", 0, 4.0 * 32 * 64 * 56 * 56 * 1.25, make_pool, once_pool, check_pool);
    row("mem/maxpool2_32x64x56x56/fwdbwd", 0, 4.0 * 32 * 64 * 56 * 56 * 2.5, make_pool, once_pool, check_pool)->p[0] = 1;
    row("mem/sort_1e6", 0, 16e6, make_a, once_sort, check_sort)->p[0] = 1000000;
    r = row("mem/topk50_64x50257", 0, 4.0 * 64 * 50257, make_a, once_topk, check_topk); r->p[0] = 64; r->p[1] = 50257; r->p[2] = 50;
    row("mem/cumsum_1e6", 1e6, 8e6, make_a, once_cumsum, check_cumsum)->p[0] = 1000000;
    row("mem/cat_8x1e5", 0, 6.4e6, make_cat, once_cat, check_cat);
    row("mem/randn_1e6", 0, 4e6, make_none, once_randn, check_randn);
}

/* ---- overhead ---- */
static void once_create(const Row *r) { (void)r; OUT[0] = tg_empty(tg, TG_SHAPE(4), TG_F32); }
static const char *check_create(const Row *r) { (void)r; return OUT[0]->numel == 4 && OUT[0]->data ? NULL : "check: not a tensor of 4"; }
static void make_add_grad(const Row *r) { make_ab(r); tg_require_grad(A, true); }
static const char *check_add_grad(const Row *r) { return OUT[0]->requires_grad ? check_add(r) : "check: no graph"; }
static void make_matmul(const Row *r) { (void)r; A = randn2(4, 4); B = randn2(4, 4); }
static void once_matmul(const Row *r) { (void)r; OUT[0] = tg_matmul(A, B); }
static const char *check_matmul(const Row *r) {
    int i, k;
    (void)r;
    for (i = 0; i < 16; i++) {
        double sum = 0;
        for (k = 0; k < 4; k++) sum += (double)f32(A)[i / 4 * 4 + k] * (double)f32(B)[k * 4 + i % 4];
        if (OFF(f32(OUT[0])[i], sum, 16 * largest(A) * largest(B) / 16777216.0)) return wrong("c", i, (real)f32(OUT[0])[i], sum);
    }
    return NULL;
}
static void make_chain100(const Row *r) {                   /* factors near 1: no value on the way becomes denormal */
    (void)r;
    A = tg_require_grad(randn1(4), true);
    B = tg_add_scalar(tg_mul_scalar(randn1(4), 0.05), 1);
}
static void once_chain100(const Row *r) {
    tg_tensor *y = A;
    int i;
    (void)r;
    for (i = 0; i < 50; i++) { y = tg_mul(y, B); y = tg_add(y, B); }
    tg_backward(tg_sum(y));
    OUT[0] = A->grad;
    if (A->grad) sink = (double)f32(A->grad)[0];
    tg_zero_grad(A);
}
static const char *check_chain100(const Row *r) {           /* the gradient is gone by then; its first element was noted */
    double want = 1;
    int i;
    (void)r;
    for (i = 0; i < 50; i++) want *= (double)f32(B)[0];
    return OFF(sink, want, 60 * want / 16777216.0) ? wrong("dx", 0, (real)sink, want) : NULL;
}
static void overhead_rows(void) {
    row("overhead/create_free_4", 0, 0, make_none, once_create, check_create);
    row("overhead/add4_nograd", 4, 0, make_ab, once_add, check_add)->p[0] = 4;
    row("overhead/add4_grad", 4, 0, make_add_grad, once_add, check_add_grad)->p[0] = 4;
    row("overhead/matmul_4x4", 128, 0, make_matmul, once_matmul, check_matmul);
    row("overhead/chain100_fwdbwd", 800, 0, make_chain100, once_chain100, check_chain100);
}

/* ---- loop: 500 rows of 1,000 numbers one after another, read, written or looked up, forward and backward: what is handed back for a row must not cost all rows ---- */
enum { LOOP_READ, LOOP_WRITE, LOOP_LOOK_UP };
static void make_loop(const Row *r) {
    (void)r;
    A = tg_require_grad(tg_randn(tg, TG_SHAPE(500, 1000)), true);
    B = tg_arange(tg, 0, 500, 1, TG_I64);
}
static void once_loop(const Row *r) {
    tg_tensor *sum = NULL, *out = r->p[0] == LOOP_WRITE ? tg_zeros(tg, TG_SHAPE(500, 1000)) : NULL;
    int64_t i;
    for (i = 0; i < 500; i++) {
        tg_tensor *x = r->p[0] == LOOP_LOOK_UP ? tg_index_select(A, 0, tg_narrow(B, 0, i, 1)) : tg_select(A, 0, i);
        x = tg_mul_scalar(x, (double)(i % 7));
        if (out) tg_copy_(tg_select(out, 0, i), x);
        else { x = tg_sum(x); sum = sum ? tg_add(sum, x) : x; }
    }
    tg_backward(out ? tg_sum(out) : sum);
    OUT[0] = A->grad ? tg_clone(tg_narrow(A->grad, 1, 0, 1)) : NULL;
    tg_zero_grad(A);
}
static const char *check_loop(const Row *r) {
    int64_t i;
    (void)r;
    for (i = 0; i < 500; i++) if (f32(OUT[0])[i] != (float)(i % 7)) return wrong("dx", i, (real)f32(OUT[0])[i], i % 7);
    return NULL;
}
static void loop_rows(void) {
    row("loop/read_500x1000/fwdbwd", 1e6, 8e6, make_loop, once_loop, check_loop)->p[0] = LOOP_READ;
    row("loop/write_500x1000/fwdbwd", 1e6, 8e6, make_loop, once_loop, check_loop)->p[0] = LOOP_WRITE;
    row("loop/look_up_500x1000/fwdbwd", 1e6, 8e6, make_loop, once_loop, check_loop)->p[0] = LOOP_LOOK_UP;
}

/* ---- small: many short rows; p: rows, elements of each, then as the row says ---- */
static void once_argmax0(const Row *r) { (void)r; OUT[0] = tg_argmax_dim(A, 0, false); }
static const char *check_argmax0(const Row *r) {
    int64_t i, k, n = r->p[1];
    for (i = 0; i < n; i++) {
        int64_t best = 0;
        for (k = 1; k < r->p[0]; k++) if (f32(A)[k * n + i] > f32(A)[best * n + i]) best = k;
        if (i64(OUT[0])[i] != best) return wrong("argmax", i, (real)i64(OUT[0])[i], (real)best);
    }
    return NULL;
}
static void once_max_dim(const Row *r) { (void)r; OUT[1] = tg_max_dim(A, 1, false, &OUT[0]); }
static const char *check_max_dim(const Row *r) {
    int64_t i;
    const char *bad = check_argmax(r);
    for (i = 0; i < r->p[0] && !bad; i++) {
        float want = f32(A)[i * r->p[1] + i64(OUT[0])[i]];
        if (OFF(f32(OUT[1])[i], want, 0)) bad = wrong("max", i, (real)f32(OUT[1])[i], (real)want);
    }
    return bad;
}
static void once_amax(const Row *r) { (void)r; OUT[0] = tg_amax_dims(A, TG_DIMS(1), false); }
static const char *check_amax(const Row *r) {
    int64_t i, k, n = r->p[1];
    for (i = 0; i < r->p[0]; i++) {
        float best = f32(A)[i * n];
        for (k = 1; k < n; k++) if (f32(A)[i * n + k] > best) best = f32(A)[i * n + k];
        if (OFF(f32(OUT[0])[i], best, 0)) return wrong("amax", i, (real)f32(OUT[0])[i], (real)best);
    }
    return NULL;
}
static const char *check_row_sum(const Row *r) {
    int64_t i, k, n = r->p[1];
    for (i = 0; i < r->p[0]; i++) {
        real sum = 0, mag = 0;
        for (k = 0; k < n; k++) { real v = (real)f32(A)[i * n + k]; sum += v; mag += fabs_(v); }
        if (OFF(f32(OUT[0])[i], sum, 1e-6L * mag)) return wrong("sum", i, (real)f32(OUT[0])[i], sum);
    }
    return NULL;
}
static void once_layernorm(const Row *r) { OUT[0] = tg_layer_norm(A, TG_SHAPE(r->p[1]), NULL, NULL, 1e-5); }
static const char *check_layernorm(const Row *r) {
    int64_t i, k, n = r->p[1];
    for (i = 0; i < r->p[0]; i++) {
        real m = 0, v = 0;
        for (k = 0; k < n; k++) m += (real)f32(A)[i * n + k] / n;
        for (k = 0; k < n; k++) v += ((real)f32(A)[i * n + k] - m) * ((real)f32(A)[i * n + k] - m) / n;
        for (k = 0; k < n; k++) {
            real want = ((real)f32(A)[i * n + k] - m) / sqrt_(v + 1e-5L);
            if (OFF(f32(OUT[0])[i * n + k], want, 2e-6L * (1 + fabs_(want)))) return wrong("y", i * n + k, (real)f32(OUT[0])[i * n + k], want);
        }
    }
    return NULL;
}
static void once_sort_rows(const Row *r) { (void)r; OUT[0] = tg_sort(A, 1, false, &OUT[1]); }
static const char *check_sort_rows(const Row *r) {
    int64_t i, k, n = r->p[1];
    for (i = 0; i < r->p[0]; i++) for (k = 0; k < n; k++) {
        int64_t at = i64(OUT[1])[i * n + k];
        if (at < 0 || at >= n || OFF(f32(OUT[0])[i * n + k], f32(A)[i * n + at], 0) || (k && f32(OUT[0])[i * n + k - 1] > f32(OUT[0])[i * n + k]))
            return wrong("index", i * n + k, (real)at, 0);
    }
    return NULL;
}
static void make_gather(const Row *r) { make_a(r); B = tg_randint(tg, 0, r->p[1], TG_SHAPE(r->p[0], 1)); }
static void once_gather(const Row *r) { (void)r; OUT[0] = tg_gather(A, 1, B); }
static const char *check_gather(const Row *r) {
    int64_t i;
    for (i = 0; i < r->p[0]; i++) if (OFF(f32(OUT[0])[i], f32(A)[i * r->p[1] + i64(B)[i]], 0)) return wrong("y", i, (real)f32(OUT[0])[i], 0);
    return NULL;
}
static void make_small_entropy(const Row *r) {
    A = tg_require_grad(randn2(r->p[0], r->p[1]), true);
    B = tg_randint(tg, 0, r->p[1], TG_SHAPE(r->p[0]));
}
static const char *check_small_entropy(const Row *r) {
    int64_t i, k, rows = r->p[0], n = r->p[1];
    real loss = 0;
    for (i = 0; i < rows; i++) {
        real sum = 0;
        const float *x = f32(A) + i * n;
        for (k = 0; k < n; k++) sum += exp_((real)x[k]);
        loss += (log_(sum) - (real)x[i64(B)[i]]) / rows;
        for (k = 0; k < n; k++) {
            real want = (exp_((real)x[k]) / sum - (k == i64(B)[i])) / rows;
            if (OFF(f32(OUT[1])[i * n + k], want, 2e-6L / rows)) return wrong("dx", i * n + k, (real)f32(OUT[1])[i * n + k], want);
        }
    }
    return OFF(f32(OUT[0])[0], loss, 2e-6L * loss) ? wrong("loss", 0, (real)f32(OUT[0])[0], loss) : NULL;
}
static void make_bmm(const Row *r) {                        /* p: batch, m, k, n */
    A = tg_randn(tg, TG_SHAPE(r->p[0], r->p[1], r->p[2]));
    B = tg_randn(tg, TG_SHAPE(r->p[0], r->p[2], r->p[3]));
}
static const char *check_bmm(const Row *r) {
    int64_t m = r->p[1], k = r->p[2], n = r->p[3], at, l;
    double bound = (double)(8 * sqrt_((real)k)) * largest(A) * largest(B) / 16777216.0;
    for (at = 0; at < OUT[0]->numel; at++) {
        double sum = 0;
        for (l = 0; l < k; l++) sum += (double)f32(A)[at / n * k + l] * (double)f32(B)[(at / (m * n) * k + l) * n + at % n];
        if (OFF(f32(OUT[0])[at], sum, bound)) return wrong("c", at, (real)f32(OUT[0])[at], sum);
    }
    return NULL;
}
static void make_linear(const Row *r) { A = randn2(r->p[0], r->p[1]); B = randn2(r->p[2], r->p[1]); C = randn1(r->p[2]); }
static void once_linear(const Row *r) { (void)r; OUT[0] = tg_linear(A, B, C); }
static const char *check_linear(const Row *r) {
    int64_t k = r->p[1], n = r->p[2], at, l;
    double bound = (double)(8 * sqrt_((real)k)) * largest(A) * largest(B) / 16777216.0 + largest(C) / 16777216.0;
    for (at = 0; at < OUT[0]->numel; at++) {
        double sum = (double)f32(C)[at % n];
        for (l = 0; l < k; l++) sum += (double)f32(A)[at / n * k + l] * (double)f32(B)[at % n * k + l];
        if (OFF(f32(OUT[0])[at], sum, bound)) return wrong("c", at, (real)f32(OUT[0])[at], sum);
    }
    return NULL;
}
static void make_brains(const Row *r) {                     /* p: networks, inputs, hidden, outputs */
    make_linear(r);
    A = tg_randn(tg, TG_SHAPE(r->p[0], 1, r->p[1]));
    LIST[0] = tg_randn(tg, TG_SHAPE(r->p[0], r->p[1], r->p[2])); LIST[1] = tg_randn(tg, TG_SHAPE(r->p[0], 1, r->p[2]));
    LIST[2] = tg_randn(tg, TG_SHAPE(r->p[0], r->p[2], r->p[3])); LIST[3] = tg_randn(tg, TG_SHAPE(r->p[0], 1, r->p[3]));
}
static void once_brains(const Row *r) {
    (void)r;
    OUT[1] = tg_add(tg_matmul(tg_tanh(tg_add(tg_matmul(A, LIST[0]), LIST[1])), LIST[2]), LIST[3]);
    OUT[0] = tg_argmax_dim(OUT[1], 2, false);
}
static const char *check_brains(const Row *r) {             /* the place may be another's where two values are as good as equal */
    int64_t b, j, k, n = r->p[1], h = r->p[2], o = r->p[3];
    for (b = 0; b < r->p[0]; b++) {
        real hidden[16], best = 0, chosen = 0;
        for (j = 0; j < h; j++) {
            hidden[j] = (real)f32(LIST[1])[b * h + j];
            for (k = 0; k < n; k++) hidden[j] += (real)f32(A)[b * n + k] * (real)f32(LIST[0])[(b * n + k) * h + j];
            hidden[j] = tanh_(hidden[j]);
        }
        for (j = 0; j < o; j++) {
            real v = (real)f32(LIST[3])[b * o + j];
            for (k = 0; k < h; k++) v += hidden[k] * (real)f32(LIST[2])[(b * h + k) * o + j];
            if (j == 0 || v > best) best = v;
            if (j == i64(OUT[0])[b]) chosen = v;
        }
        if (OFF(chosen, best, 1e-4L)) return wrong("action", b, (real)i64(OUT[0])[b], best);
    }
    return NULL;
}
static void make_step(const Row *r) {                       /* XOR: 2-16-1, tanh, mean square */
    static const float x[] = { 0, 0, 0, 1, 1, 0, 1, 1 }, y[] = { 0, 1, 1, 0 };
    int i;
    (void)r;
    A = randn2(4, 2); B = randn2(4, 1);
    memcpy(f32(A), x, sizeof x); memcpy(f32(B), y, sizeof y);
    LIST[0] = randn2(16, 2); LIST[1] = randn1(16); LIST[2] = randn2(1, 16); LIST[3] = randn1(1);
    for (i = 0; i < 4; i++) tg_require_grad(LIST[i], true);
}
static void once_step(const Row *r) {
    tg_tensor *loss = tg_mse_loss(tg_linear(tg_tanh(tg_linear(A, LIST[0], LIST[1])), LIST[2], LIST[3]), B);
    int i;
    (void)r;
    tg_backward(loss);
    tg_grad_mode(tg, false);
    for (i = 0; i < 4; i++) { tg_sub_(LIST[i], tg_mul_scalar(LIST[i]->grad, 0.1)); tg_zero_grad(LIST[i]); }
    tg_grad_mode(tg, true);
    OUT[0] = loss;
}
static const char *check_step(const Row *r) {
    int i;
    float last = 0;
    for (i = 0; i < 2000; i++) { tg_mark m = tg_begin(tg); once_step(r); last = f32(OUT[0])[0]; tg_end(tg, m); }
    return OFF(last, 0, 0.05) ? wrong("loss", 2000, (real)last, 0) : NULL;
}
static Row *small(const char *name, double flop, double bytes, void (*make)(const Row *), void (*once)(const Row *), const char *(*check)(const Row *),
                  int64_t p0, int64_t p1, int64_t p2, int64_t p3) {
    Row *r = row(name, flop, bytes, make, once, check);
    r->p[0] = p0; r->p[1] = p1; r->p[2] = p2; r->p[3] = p3;
    return r;
}
static void small_rows(void) {
    small("small/argmax_1000x4", 4000, 24000, make_a, once_argmax, check_argmax, 1000, 4, 0, 0);
    small("small/argmax_4x1000_dim0", 4000, 24000, make_a, once_argmax0, check_argmax0, 4, 1000, 0, 0);
    small("small/max_dim_1000x4", 4000, 28000, make_a, once_max_dim, check_max_dim, 1000, 4, 0, 0);
    small("small/amax_1000x4", 4000, 20000, make_a, once_amax, check_amax, 1000, 4, 0, 0);
    small("small/sum_1000x16", 16000, 68000, make_a, once_sum1, check_row_sum, 1000, 16, 0, 0);
    small("small/sum_1000x3", 3000, 16000, make_a, once_sum1, check_row_sum, 1000, 3, 0, 0);
    small("small/softmax_1000x4", 0, 32000, make_a, once_softmax, check_softmax, 1000, 4, 0, 0);
    small("small/layernorm_1000x16", 0, 128000, make_a, once_layernorm, check_layernorm, 1000, 16, 0, 0);
    small("small/cumsum_1000x8", 0, 64000, make_a, once_cumsum, check_cumsum, 1000, 8, 0, 0);
    small("small/sort_1000x8", 0, 128000, make_a, once_sort_rows, check_sort_rows, 1000, 8, 0, 0);
    small("small/gather_1000x4", 0, 16000, make_gather, once_gather, check_gather, 1000, 4, 0, 0);
    small("small/cross_entropy_256x10/fwdbwd", 0, 8 * 2560, make_small_entropy, once_entropy, check_small_entropy, 256, 10, 0, 0);
    small("small/bmm_1000_1x16x16", 512000, 1152000, make_bmm, once_matmul, check_bmm, 1000, 1, 16, 16);
    small("small/bmm_1000_4x4x4", 128000, 192000, make_bmm, once_matmul, check_bmm, 1000, 4, 4, 4);
    small("small/linear_1000_8_16", 256000, 96000, make_linear, once_linear, check_linear, 1000, 8, 16, 0);
    small("small/brains_1000_8_16_4", 384000, 880000, make_brains, once_brains, check_brains, 1000, 8, 16, 4);
    row("small/step_2_16_1", 0, 0, make_step, once_step, check_step)->tail = true;
}

/* ---- whole models: train and infer. REF is a copy of NET in f64, for the check ---- */
enum { CHARS = 65, UNITS = 256 };
static tg_module *NET, *TARGET, *REF, *REF_TARGET;
static int position;                                        /* of the token that is decoded */

static tg_optim *optimiser(const Row *r, tg_module *net) {
    return tg_optim_from(&(tg_optim_args){ .rule = (tg_optim_rule)r->p[0], .module = net, .lr = r->lr, .momentum = { r->p[1] != 0, 0.9 } });
}
static tg_module *in_f64(tg_module *net) {
    tg_module *m = net ? tg_module_copy(net) : NULL;
    if (m) tg_module_to(m, TG_F64);
    return m;
}
static void swap_models(void) {                             /* data and target network, too */
    static tg_tensor *other[4];
    tg_tensor **own[4] = { &A, &B, &C, &G }, *t;
    tg_module *m = TARGET;
    int i;
    TARGET = REF_TARGET; REF_TARGET = m;
    m = NET; NET = REF; REF = m;
    for (i = 0; i < 4; i++) {
        t = *own[i];
        if (t && t->dtype == TG_F32) *own[i] = tg_to(t, TG_F64); else if (t && t->dtype == TG_F64) *own[i] = other[i];
        other[i] = t;
    }
}
static void let_go_of_models(void) {
    tg_module **all[4] = { &NET, &TARGET, &REF, &REF_TARGET };
    int i;
    tg_optim_free(OPT);
    OPT = NULL;
    for (i = 0; i < 4; i++) { tg_module_free(*all[i]); *all[i] = NULL; }
}
static void let_go_of_ref(void) {
    tg_module_free(REF); tg_module_free(REF_TARGET);
    REF = REF_TARGET = NULL;
    tg_trim(tg);
}

static void make_training(const Row *r) {
    r->build(r);
    if (!rss) { REF = in_f64(NET); REF_TARGET = in_f64(TARGET); }
    OPT = optimiser(r, NET);
}
static void once_training(const Row *r) {
    OUT[0] = r->call(NET);
    tg_backward(OUT[0]);
    tg_step(OPT);
}
static double train_for(const Row *r, int steps) {
    double loss = 0;
    while (steps-- > 0) {
        tg_mark m = tg_begin(tg);
        once_training(r);
        loss = tg_item(OUT[0]);
        tg_end(tg, m);
    }
    return loss;
}
static const char *check_training(const Row *r) {              /* p[2]: steps, of which one was made before */
    double got = train_for(r, (int)r->p[2] - 1), want;
    tg_optim *opt = OPT;
    swap_models();
    OPT = optimiser(r, NET);
    want = train_for(r, (int)r->p[2]);
    tg_optim_free(OPT);
    OPT = opt;
    swap_models();
    let_go_of_ref();
    if (tg_failed(tg)) return tg_error_text(tg);
    return OFF(got, want, 1e-3 * want) ? wrong("loss", r->p[2], got, want) : NULL;
}

static void stir(tg_module *m) {                            /* statistics as after training, or folding would change nothing */
    tg_tensor *mean = tg_module_tensor_at(m, "running_mean"), *var = tg_module_tensor_at(m, "running_var");
    int64_t i;
    if (mean) { tg_normal_(mean, 0, 0.1); tg_uniform_(var, 0.5, 1.5); }
    for (i = 0; i < tg_module_parts(m); i++) stir(tg_module_part_of(m, i));
}
static tg_tensor *call_net(tg_module *net) { return tg_forward(net, A); }
static void make_infer(const Row *r) {
    bool was = tg_grad_mode(tg, false);
    r->build(r);
    position = 0;
    if (NET) { tg_train(NET, false); tg_freeze(NET, true); stir(NET); }
    if (!rss) REF = in_f64(NET);
    if (NET) tg_bake(NET, r->call == call_net ? A : NULL);
    tg_grad_mode(tg, was);
}
static void once_infer(const Row *r) {
    bool was = tg_grad_mode(tg, false);
    OUT[0] = r->call(NET);
    if (r->p[0]) OUT[1] = tg_argmax_dim(OUT[0], -1, false);
    tg_grad_mode(tg, was);
}
static const char *check_infer(const Row *r) {
    tg_tensor *got, *want;
    double bound;
    int64_t i;
    position = 0;
    once_infer(r);
    got = OUT[0];
    swap_models();
    position = 0;
    once_infer(r);
    want = OUT[0];
    swap_models();
    let_go_of_ref();
    if (tg_failed(tg)) return tg_error_text(tg);
    bound = 2e-5 * largest(want);
    for (i = 0; i < want->numel; i++) if (OFF(f32(got)[i], element(want, i), bound)) return wrong("y", i, (real)f32(got)[i], element(want, i));
    return NULL;
}

static tg_tensor *classes(int64_t n, int64_t k) { return tg_randint(tg, 0, k, 1, &n); }
static tg_tensor *tokens(int64_t n, int64_t t, int64_t vocab) { return tg_randint(tg, 0, vocab, TG_SHAPE(n, t)); }
static void mlp_of(int64_t a, int64_t b, int64_t c, int64_t d, activation act) {       /* d of 0: a layer less */
    const mlp_config config = { { a, b, c, d }, d ? 4 : 3, act, false };
    NET = mlp_new(tg, &config);
}
static void gpt_of(int64_t vocab, int64_t positions, int64_t layers, int64_t heads, int64_t width) {
    const gpt2_config config = { .vocab = vocab, .positions = positions, .width = width, .layers = layers, .heads = heads, .inner = 4 * width, .act = tg_gelu_tanh, .eps = 1e-5 };
    NET = gpt2_new(tg, &config);
}
static void resnet18_of(int64_t classes_, int64_t stem, int64_t stem_stride, int64_t pool) {
    const resnet_config config = { false, { 2, 2, 2, 2 }, { 64, 128, 256, 512 }, 4, 3, classes_, stem, stem_stride, pool, 2 };
    NET = resnet_new(tg, &config);
}
static void build_xor(const Row *r) { mlp_of(2, 16, 1, 0, tg_tanh); make_step(r); }
static void build_mlp(const Row *r) { (void)r; mlp_of(784, 256, 128, 10, tg_relu); A = randn2(64, 784); B = classes(64, 10); }
static void build_lenet(const Row *r) {
    const lenet_config config = { 1, 28, 6, 16, 10, tg_relu, false };
    (void)r;
    NET = lenet_new(tg, &config);
    A = tg_randn(tg, TG_SHAPE(64, 1, 28, 28)); B = classes(64, 10);
}
static void build_resnet(const Row *r) { (void)r; resnet18_of(10, 3, 1, 0); A = tg_randn(tg, TG_SHAPE(16, 3, 32, 32)); B = classes(16, 10); }
static void build_chars(const Row *r) {
    const rnn_lm_config config = { .vocab = CHARS, .embedding = UNITS, .hidden = UNITS, .layers = 2, .outputs = CHARS };
    (void)r;
    NET = rnn_lm_new(tg, &config);
    A = tokens(32, 64, CHARS); B = classes(32 * 64, CHARS);
}
static void build_gpt(const Row *r) { (void)r; gpt_of(65, 256, 6, 6, 384); A = tokens(4, 256, 65); B = classes(4 * 256, 65); }
static void build_gpt2(const Row *r) { (void)r; gpt_of(50257, 1024, 12, 12, 768); A = tokens(4, 64, 50257); B = classes(4 * 64, 50257); }
static void build_dqn(const Row *r) {
    (void)r;
    mlp_of(4, 64, 64, 2, tg_relu); TARGET = NET;
    mlp_of(4, 64, 64, 2, tg_relu);
    A = randn2(32, 4); B = randn2(32, 4); C = randn1(32);
    G = tg_to(tg_lt_scalar(tg_rand(tg, TG_SHAPE(32)), 0.1), TG_F32);
    LIST[0] = tokens(32, 1, 2);
}
static tg_tensor *loss_mse(tg_module *net) { return tg_mse_loss(tg_forward(net, A), B); }
static tg_tensor *loss_classes(tg_module *net) { return tg_cross_entropy(tg_forward(net, A), B); }
static tg_tensor *loss_chars(tg_module *net) { return tg_cross_entropy(tg_flatten(rnn_lm_logits(net, A, NULL), 0, 1), B); }
static tg_tensor *loss_gpt(tg_module *net) { return tg_cross_entropy(tg_flatten(gpt2_logits(net, A, NULL, NULL), 0, 1), B); }
static tg_tensor *loss_dqn(tg_module *net) {
    bool was = tg_grad_mode(tg, false);
    tg_tensor *next = tg_amax_dims(tg_forward(TARGET, B), TG_DIMS(1), false);
    tg_tensor *y = tg_add(C, tg_mul_scalar(tg_addcmul(next, next, G, -1), 0.99));        /* nothing follows where G is 1 */
    tg_grad_mode(tg, was);
    return tg_smooth_l1_loss(tg_squeeze(tg_gather(tg_forward(net, A), 1, LIST[0]), 1), y);
}
static Row *model(const char *name, double flop, double bytes, bool trained, void (*build)(const Row *), tg_tensor *(*call)(tg_module *)) {
    Row *r = row(name, flop, bytes, trained ? make_training : make_infer, trained ? once_training : once_infer, trained ? check_training : check_infer);
    r->build = build; r->call = call;
    return r;
}
static Row *training(const char *name, double flop, double parameters, void (*build)(const Row *), tg_tensor *(*loss)(tg_module *), tg_optim_rule rule, double lr, bool momentum) {
    Row *r = model(name, flop, 4 * parameters * (rule != TG_OPTIM_SGD ? 10 : momentum ? 8 : 6), true, build, loss);
    r->p[0] = rule; r->p[1] = momentum; r->p[2] = 10;
    r->lr = lr;
    return r;
}
static double gpt_flop(double tokens_, double t, double vocab, double layers, double width) {
    return tokens_ * (layers * 24 * width * width + 2 * width * vocab) + layers * 2 * tokens_ * t * width;
}
static void train_rows(void) {
    training("train/mlp_2_16_1_b4_sgd", 1152, 65, build_xor, loss_mse, TG_OPTIM_SGD, 0.1, false);
    training("train/mlp_784_256_128_10_b64_adam", 128.0 * (784 * 256 * 2 + 256 * 128 * 3 + 1280 * 3), 235146, build_mlp, loss_classes, TG_OPTIM_ADAM, 1e-3, false);
    training("train/lenet_28_b64_sgd", 64 * (833e3 * 3 - 2 * 28 * 28 * 6 * 25), 61706, build_lenet, loss_classes, TG_OPTIM_SGD, 0.01, false);
    training("train/resnet18_cifar_b16_sgdm", 48 * 1110.8e6, 11173962, build_resnet, loss_classes, TG_OPTIM_SGD, 0.01, true)->p[2] = 3;      /* a step in f32 is soon another than in f64: units of ReLU flip */
    training("train/lstm_char_l2_h256_t64_b32_adam", 6 * 2048.0 * (8 * 256 * 512 + 256 * 65), 1086017, build_chars, loss_chars, TG_OPTIM_ADAM, 1e-3, false);
    training("train/gpt_l6_d384_h6_t256_b4_v65_adamw", 3 * gpt_flop(1024, 256, 65, 6, 384), 10770816, build_gpt, loss_gpt, TG_OPTIM_ADAMW, 1e-3, false);
    training("train/gpt2_124m_b4_t64_adamw", 3 * gpt_flop(256, 64, 50257, 12, 768), 124439808, build_gpt2, loss_gpt, TG_OPTIM_ADAMW, 1e-4, false)->p[2] = 2;         /* 7 s a step in f64 */
    training("train/dqn_4_64_64_2_b32_adam", 32 * 8.0 * (4 * 64 + 64 * 64 + 128), 4610, build_dqn, loss_dqn, TG_OPTIM_ADAM, 1e-3, false);
}

static void build_policy(const Row *r) { mlp_of(8, 64, 64, 4, tg_tanh); A = randn2(r->p[1], 8); }
static void build_mlp1(const Row *r) { build_mlp(r); A = randn2(1, 784); }
static void build_resnet224(const Row *r) { (void)r; resnet18_of(1000, 7, 2, 3); A = tg_randn(tg, TG_SHAPE(1, 3, 224, 224)); }
static void build_mobilenet(const Row *r) {
    const mobilenet_config config = { { { 1, 16, 1, 1 }, { 6, 24, 2, 2 }, { 6, 32, 3, 2 }, { 6, 64, 4, 2 }, { 6, 96, 3, 1 }, { 6, 160, 3, 2 }, { 6, 320, 1, 1 } }, 7, 3, 1000, 1, 8, 0.2 };
    (void)r;
    NET = mobilenet_new(tg, &config);
    A = tg_randn(tg, TG_SHAPE(1, 3, 224, 224));
}
static void build_decode(const Row *r) {                    /* C, G: keys and values so far */
    kv_cache cache;
    build_gpt2(r);
    A = tokens(1, 1, 50257);
    cache = kv_new(tg_module_tensor_at(NET, "transformer.ln_f.weight"), 12, 1, 12, 1024, 64);
    C = tg_normal_(cache.k, 0, 1); G = tg_normal_(cache.v, 0, 1);
}
static tg_tensor *call_decode(tg_module *net) {
    kv_cache cache = { C, G, 64 + position++ % 64 };
    return gpt2_logits(net, A, NULL, &cache);
}
static void build_prefill(const Row *r) { build_gpt2(r); A = tokens(1, 128, 50257); }
static tg_tensor *call_prefill(tg_module *net) { return gpt2_last_logits(net, A, NULL, NULL); }

/* One character through an embedding of 65, two layers of lstm and a linear layer, all of 256. */
static tg_tensor *state_h, *state_c;
static void make_lstm_step(const Row *r) {
    int i;
    (void)r;
    A = randn2(CHARS, UNITS); B = tg_full(tg, TG_SHAPE(1), below(CHARS), TG_I64);
    for (i = 0; i < 8; i++) LIST[i] = tg_mul_scalar(i % 4 < 2 ? randn2(4 * UNITS, UNITS) : randn1(4 * UNITS), 0.06);
    C = tg_mul_scalar(randn2(CHARS, UNITS), 0.06); G = randn1(CHARS);
    state_h = tg_mul_scalar(tg_randn(tg, TG_SHAPE(2, 1, UNITS)), 0.3); state_c = tg_randn(tg, TG_SHAPE(2, 1, UNITS));
}
static void once_lstm_step(const Row *r) {
    tg_tensor *y = tg_lstm(tg_unsqueeze(tg_index_select(A, 0, B), 0), state_h, state_c, LIST, 8, .num_layers = 2, .h_n = &OUT[1], .c_n = &OUT[2]);
    (void)r;
    OUT[0] = tg_linear(y, C, G);
}
static double row_dot(tg_tensor *w, int64_t row, const double *x) {
    double s = 0;
    int k;
    for (k = 0; k < UNITS; k++) s += (double)f32(w)[row * UNITS + k] * x[k];
    return s;
}
static const char *check_lstm_step(const Row *r) {
    double x[UNITS], h[UNITS];
    int l, j, g;
    (void)r;
    for (j = 0; j < UNITS; j++) x[j] = f32(A)[i64(B)[0] * UNITS + j];
    for (l = 0; l < 2; l++) {
        double y[UNITS];
        for (j = 0; j < UNITS; j++) h[j] = f32(state_h)[l * UNITS + j];
        for (j = 0; j < UNITS; j++) {
            double v[4], c;
            for (g = 0; g < 4; g++) v[g] = row_dot(LIST[4 * l], g * UNITS + j, x) + row_dot(LIST[4 * l + 1], g * UNITS + j, h) + (double)f32(LIST[4 * l + 2])[g * UNITS + j] + (double)f32(LIST[4 * l + 3])[g * UNITS + j];
            c = (double)(ref_sigmoid(v[1]) * f32(state_c)[l * UNITS + j] + ref_sigmoid(v[0]) * tanh_(v[2]));
            y[j] = (double)(ref_sigmoid(v[3]) * tanh_(c));
            if (OFF(f32(OUT[2])[l * UNITS + j], c, 1e-5)) return wrong("c", l * UNITS + j, (real)f32(OUT[2])[l * UNITS + j], c);
        }
        memcpy(x, y, sizeof x);
    }
    for (j = 0; j < CHARS; j++) {
        const double want = row_dot(C, j, x) + (double)f32(G)[j];
        if (OFF(f32(OUT[0])[j], want, 1e-5)) return wrong("y", j, (real)f32(OUT[0])[j], want);
    }
    return NULL;
}
static void infer_rows(void) {
    const double weights = 2 * (2 * 4 * UNITS * UNITS + 8 * UNITS) + CHARS * UNITS * 2 + CHARS;
    const double mlp = 784 * 256 + 256 + 256 * 128 + 128 + 1290, gpt = 123.6e6;
    model("infer/mlp_784_256_128_10_b1", 2 * mlp, 4 * mlp, false, build_mlp1, call_net);
    model("infer/policy_8_64_64_4_b1", 2 * 4868, 4 * (4868 + 12), false, build_policy, call_net)->p[1] = 1;
    model("infer/policy_8_64_64_4_b256", 512 * 4868, 4 * (4868 + 12 * 256), false, build_policy, call_net)->p[1] = 256;
    model("infer/resnet18_224_b1", 2 * 1814e6, 4 * 11.7e6, false, build_resnet224, call_net);
    model("infer/mobilenetv2_224_b1", 2 * 300.8e6, 4 * 3.5e6, false, build_mobilenet, call_net);
    row("infer/lstm_step_l2_h256_b1", 2 * weights, 4 * weights, make_lstm_step, once_lstm_step, check_lstm_step);
    model("infer/gpt2_124m_decode", 2 * gpt, 4 * gpt, false, build_decode, call_decode)->p[0] = 1;
    model("infer/gpt2_124m_prefill_t128", gpt_flop(128, 128, 50257, 12, 768) - 127 * 2.0 * 768 * 50257, 4 * 124e6, false, build_prefill, call_prefill);
}

/* ---- timing ---- */
static void repeat(const Row *r, int64_t n) {
    while (n-- > 0) { tg_mark m = tg_begin(tg); r->once(r); tg_end(tg, m); }
}
static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}
static bool bench(const Row *r, const char *impl, double budget) {
    static double sample[4000];
    tg_mark outer = tg_begin(tg), m;
    const char *bad;
    double t = 1e9, end;
    int64_t inner, i;
    uint64_t calls = 0;
    int n = 0;
    A = B = C = G = OUT[0] = OUT[1] = OUT[2] = NULL;
    lcg_state = 1;
    r->make(r);
    m = tg_begin(tg);
    if (!tg_failed(tg)) r->once(r);
    bad = tg_failed(tg) ? tg_error_text(tg) : r->check(r);
    tg_end(tg, m);
    if (!bad) {
        for (i = 0; i < 3; i++) { double start = now(), d; repeat(r, 1); d = now() - start; if (d < t) t = d; }
        if (t < 1e-9) t = 1e-9;
        for (inner = t < 1e-3 ? (int64_t)(1e-3 / t) + 1 : 1; t < 1e-3; inner *= 2) {      /* short calls are timed badly one by one */
            double start = now(), d;
            repeat(r, inner);
            d = now() - start;
            if (d >= 1e-3) break;
        }
        if (r->build && t < 1e-3) repeat(r, 256);            /* so many ended tensors are held back before their headers serve again */
        calls = tg_memory(tg).host_calls;
        end = now() + budget;
        while (n < COUNT(sample) && (n < 5 || now() < end)) {
            double start = now();
            repeat(r, inner);
            sample[n++] = (now() - start) / (double)inner;
        }
        calls = tg_memory(tg).host_calls - calls;
        if (tg_failed(tg)) bad = tg_error_text(tg);
        else if (r->build && calls) { snprintf(why, sizeof why, "the allocator was called %d times in %d repetitions", (int)calls, (int)(n * inner)); bad = why; }
    }
    if (bad) {
        printf("{\"name\":\"%s\",\"impl\":\"%s\",\"threads\":%d,\"error\":\"%s\"}\n", r->name, impl, threads, bad);
    } else {
        qsort(sample, (size_t)n, sizeof sample[0], by_size);
        printf("{\"name\":\"%s\",\"impl\":\"%s\",\"threads\":%d,\"min_us\":%.4f,\"med_us\":%.4f,", r->name, impl, threads, sample[0] * 1e6, sample[n / 2] * 1e6);
        if (r->tail) {
            static double each[100000];
            for (i = 0; i < COUNT(each); i++) { double start = now(); repeat(r, 1); each[i] = now() - start; }
            qsort(each, COUNT(each), sizeof each[0], by_size);
            printf("\"p50_us\":%.4f,\"p99_us\":%.4f,\"p99_9_us\":%.4f,\"max_us\":%.4f,", each[COUNT(each) / 2] * 1e6, each[COUNT(each) - COUNT(each) / 100] * 1e6,
                   each[COUNT(each) - COUNT(each) / 1000] * 1e6, each[COUNT(each) - 1] * 1e6);
        }
        printf("\"work\":{\"flop\":%.0f,\"bytes\":%.0f},\"samples\":%d,\"inner\":%d}\n", r->flop, r->bytes, n, (int)inner);
    }
    fflush(stdout);
    tg_clear(tg);
    let_go_of_models();
    tg_end(tg, outer);
    tg_trim(tg);
    return !bad;
}

/* ---- peak memory ---- */
static bool peak(const Row *r, const char *impl, const tg_config *config) {
#if defined(__linux__)
    struct rusage used;
    int i, status = 1;
    pid_t child;
    if (!r->build && r->make != make_lstm_step) return true;
    fflush(stdout);
    child = fork();
    if (child > 0) return waitpid(child, &status, 0) == child && status == 0;
    tg = tg_open(config);
    if (!tg || !tg_threads(tg, threads)) _exit(1);
    tg_seed(tg, 1);
    r->make(r);
    for (i = 0; i < 3; i++) repeat(r, 1);
    getrusage(RUSAGE_SELF, &used);
    if (tg_failed(tg)) printf("{\"name\":\"rss/%s\",\"impl\":\"%s\",\"threads\":%d,\"error\":\"%s\"}\n", r->name, impl, threads, tg_error_text(tg));
    else printf("{\"name\":\"rss/%s\",\"impl\":\"%s\",\"threads\":%d,\"value\":%ld,\"unit\":\"KiB\"}\n", r->name, impl, threads, used.ru_maxrss);
    fflush(stdout);
    _exit(tg_failed(tg));
#else
    (void)r; (void)impl; (void)config;
    return false;
#endif
}

/* ---- command line ---- */
static void pin(void) {
#if defined(__linux__)
    cpu_set_t may, set;
    int left = threads, i;
    if (sched_getaffinity(0, sizeof may, &may) != 0) return;
    CPU_ZERO(&set);
    for (i = CPU_SETSIZE - 1; i >= 0 && left > 0; i--) if (CPU_ISSET(i, &may)) { CPU_SET(i, &set); left--; }
    if (sched_setaffinity(0, sizeof set, &set) != 0) fprintf(stderr, "bench: cannot pin to %d CPUs\n", threads);
#endif
}

int main(int argc, char **argv) {
    static const struct { const char *name; tg_isa isa; } isas[] = { { "plain", TG_ISA_PLAIN }, { "avx2", TG_ISA_AVX2 }, { "avx512", TG_ISA_AVX512 }, { "neon", TG_ISA_NEON }, { "simd128", TG_ISA_SIMD128 } };
    const char *globs = "*", *impl = NULL;
    char named[32];
    tg_config config;
    double budget = 1;
    bool list = false, good = true;
    int i, k;
    memset(&config, 0, sizeof config);
    for (i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--list") == 0) { list = true; continue; }
        if (strcmp(argv[i], "--strict") == 0) { config.strict = true; continue; }
        if (strcmp(argv[i], "--rss") == 0) { rss = true; continue; }
        if (!value) { fprintf(stderr, "bench: unknown option or no value: %s (see the first comment of tools/bench.c)\n", argv[i]); return 2; }
        if (strcmp(argv[i], "--threads") == 0) threads = atoi(value);
        else if (strcmp(argv[i], "--rows") == 0) globs = value;
        else if (strcmp(argv[i], "--budget") == 0) budget = atof(value);
        else if (strcmp(argv[i], "--impl") == 0) impl = value;
        else if (strcmp(argv[i], "--isa") == 0) {
            for (k = 0; k < COUNT(isas); k++) if (strcmp(isas[k].name, value) == 0) config.isa = isas[k].isa;
            if (config.isa == TG_ISA_BEST) { fprintf(stderr, "bench: no instruction set %s\n", value); return 2; }
            snprintf(named, sizeof named, "tensorgrad_%s", value);
            if (!impl) impl = named;
        } else { fprintf(stderr, "bench: unknown option %s (see the first comment of tools/bench.c)\n", argv[i]); return 2; }
        i++;
    }
#ifdef TENSORGRAD_BLIS
    if (!impl && !config.strict) impl = "tensorgrad_blis";
#endif
    if (!impl) impl = config.strict ? "tensorgrad_strict" : "tensorgrad";
    if (threads < 1) threads = 1;
    gemm_rows();
    blocks_rows();
    conv_rows();
    resample_rows();
    attn_rows();
    mem_rows();
    norm_rows();
    optim_rows();
    overhead_rows();
    loop_rows();
    small_rows();
    train_rows();
    infer_rows();
    if (list) {
        for (i = 0; i < n_rows; i++) if (wanted(globs, rows[i].name)) printf("{\"name\":\"%s\",\"work\":{\"flop\":%.0f,\"bytes\":%.0f}}\n", rows[i].name, rows[i].flop, rows[i].bytes);
        return 0;
    }
    pin();
    if (rss) {
        for (i = 0; i < n_rows; i++) if (wanted(globs, rows[i].name) && !peak(&rows[i], impl, &config)) good = false;
        return good ? 0 : 1;
    }
    tg = tg_open(&config);
    if (!tg || !tg_threads(tg, threads)) { fprintf(stderr, "bench: %s\n", tg ? tg_error_text(tg) : "cannot open a context: is the instruction set there?"); return 1; }
    tg_seed(tg, 1);
    fprintf(stderr, "bench: %s, %d threads\n", tg_isa_name(tg), tg_threads_used(tg));
    for (i = 0; i < n_rows; i++) if (wanted(globs, rows[i].name) && !bench(&rows[i], impl, budget)) good = false;
    tg_close(tg);
    return good ? 0 : 1;
}
