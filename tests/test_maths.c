/* The accuracy of the maths functions, through the ops that users call, on every instruction set, in strict mode and outside: f32 against the C library in double, f64 against long double.
   Normal run: a million arguments for each function, from all magnitudes, from the ranges where it does something, and the special values, whose results must be right by their bits.
   `all` (or TG_TEST_ALL=1): every float. `all STRIDE` every STRIDE-th, those whose bits are TG_TEST_SEED modulo STRIDE; `all NAME [STRIDE]` one function.   run.sh flags: -Wl,--no-as-needed -lm -lpthread
   Outside strict mode tiny operands and results may count as zero, so there they are left out. */
#define _GNU_SOURCE
#ifndef TENSORGRAD_SOFT_FMA
#define TENSORGRAD_SOFT_FMA            /* strict mode on the plain pass too */
#endif
#include "test.h"
#include <math.h>
#include <pthread.h>
#include <unistd.h>

/* ---- references ---- */
static double r_rsqrt(double x) { return 1 / sqrt(x); }
static double r_sigmoid(double x) { return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)); }
static double r_softplus(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }
static double r_logsigmoid(double x) { return 0 - r_softplus(-x); }
static double r_ndtr(double x) { return erfc(-x * 0.70710678118654752440) / 2; }
static double r_gelu(double x) { return x == -INFINITY ? NAN : x * r_ndtr(x); }
static double r_silu(double x) { return x == -INFINITY ? NAN : x * r_sigmoid(x); }
static double r_mish(double x) { return x == -INFINITY ? NAN : x * tanh(r_softplus(x)); }
static double r_elu(double x) { return x > 0 ? x : expm1(x); }
static double r_reciprocal(double x) { return 1 / x; }
static double r_square(double x) { return x * x; }
static double r_acosh(double x) { return x < 1 ? NAN : acosh(x); }      /* musl gives -inf at -2^24 */
static double r_frac(double x) { return x - trunc(x); }
static double r_gelu_tanh(double x) { return x == -INFINITY ? NAN : x * r_sigmoid(2 * 0.79788456080286535588 * (x + 0.044715 * x * x * x)); }

static long double l_rsqrt(long double x) { return 1 / sqrtl(x); }
static long double l_sigmoid(long double x) { return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x)); }
static long double l_softplus(long double x) { return x > 0 ? x + log1pl(expl(-x)) : log1pl(expl(x)); }
static long double l_logsigmoid(long double x) { return -l_softplus(-x); }
static long double l_ndtr(long double x) { return erfcl(-x * 0.707106781186547524400844362104849039L) / 2; }
static long double l_gelu(long double x) { return x * l_ndtr(x); }
static long double l_silu(long double x) { return x * l_sigmoid(x); }
static long double l_mish(long double x) { return x * tanhl(l_softplus(x)); }
static long double l_elu(long double x) { return x > 0 ? x : expm1l(x); }
static long double l_reciprocal(long double x) { return 1 / x; }
static long double l_square(long double x) { return x * x; }
static long double l_frac(long double x) { return x - truncl(x); }

static tg_tensor *op_elu(tg_tensor *x) { return tg_elu(x, 1); }
static tg_tensor *op_softplus(tg_tensor *x) { return tg_softplus(x, 1, INFINITY); }

/* bound: ulps of the result in f32, and in f64. A factor: the function is x * factor(x), and the factor may be a subnormal with an error of half its last digit, so the unit is at least
   that digit times x. */
typedef struct function { const char *name; tg_tensor *(*op)(tg_tensor *x); double (*ref)(double); long double (*long_ref)(long double); double bound, bound64; bool factor; } function;
static const function functions[] = {
    { "exp", tg_exp, exp, expl, 2, 2, false }, { "exp2", tg_exp2, exp2, exp2l, 2, 2, false }, { "expm1", tg_expm1, expm1, expm1l, 2, 4, false }, { "log", tg_log, log, logl, 2, 4, false },
    { "log2", tg_log2, log2, log2l, 2, 4, false }, { "log10", tg_log10, log10, log10l, 2, 4, false }, { "log1p", tg_log1p, log1p, log1pl, 2, 4, false }, { "sin", tg_sin, sin, sinl, 2, 4, false },
    { "cos", tg_cos, cos, cosl, 2, 4, false }, { "tan", tg_tan, tan, tanl, 2, 4, false }, { "asin", tg_asin, asin, asinl, 2, 4, false }, { "acos", tg_acos, acos, acosl, 2, 4, false },
    { "atan", tg_atan, atan, atanl, 2, 4, false }, { "sinh", tg_sinh, sinh, sinhl, 2, 4, false }, { "cosh", tg_cosh, cosh, coshl, 2, 4, false }, { "tanh", tg_tanh, tanh, tanhl, 2, 4, false },
    { "asinh", tg_asinh, asinh, asinhl, 2, 4, false }, { "acosh", tg_acosh, r_acosh, acoshl, 2, 4, false }, { "atanh", tg_atanh, atanh, atanhl, 2, 4, false }, { "erf", tg_erf, erf, erfl, 2, 4, false },
    { "erfc", tg_erfc, erfc, erfcl, 2, 8, false }, { "sqrt", tg_sqrt, sqrt, sqrtl, 0.5001, 0.5001, false }, { "rsqrt", tg_rsqrt, r_rsqrt, l_rsqrt, 2, 2, false },
    { "reciprocal", tg_reciprocal, r_reciprocal, l_reciprocal, 0.5001, 0.5001, false }, { "square", tg_square, r_square, l_square, 0.5001, 0.5001, false }, { "frac", tg_frac, r_frac, l_frac, 0.5001, 0.5001, false },
    { "floor", tg_floor, floor, floorl, 0, 0.5001, false }, { "ceil", tg_ceil, ceil, ceill, 0, 0.5001, false }, { "round", tg_round, rint, rintl, 0, 0.5001, false }, { "trunc", tg_trunc, trunc, truncl, 0, 0.5001, false },
    { "abs", tg_abs, fabs, fabsl, 0, 0.5001, false }, { "ndtr", tg_ndtr, r_ndtr, l_ndtr, 4, 8, false }, { "sigmoid", tg_sigmoid, r_sigmoid, l_sigmoid, 4, 8, false },
    { "logsigmoid", tg_logsigmoid, r_logsigmoid, l_logsigmoid, 4, 8, false }, { "softplus", op_softplus, r_softplus, l_softplus, 4, 8, false }, { "gelu", tg_gelu, r_gelu, l_gelu, 4, 8, true },
    { "silu", tg_silu, r_silu, l_silu, 4, 8, true }, { "mish", tg_mish, r_mish, l_mish, 4, 8, true }, { "elu", op_elu, r_elu, l_elu, 2, 4, false }, { "gelu_tanh", tg_gelu_tanh, r_gelu_tanh, NULL, 4, 0, true }
};
enum { FUNCTIONS = (int)(sizeof functions / sizeof functions[0]) };

/* How far `got` is from the true value, in ulps of a float there; 1e30 for what must be right and is not: NaN, infinities, the sign of a zero. tiny: results that may be flushed; least: the unit is
   no smaller than this. */
static double ulps(float got, double ref, bool tiny, double least) {
    double unit, size = fabs(ref), away;
    int e;
    if (ref != ref) return got != got ? 0 : 1e30;
    if (got != got) return 1e30;
    if (tiny && size < 1e-36 + least * 8388608) return fabs((double)got - ref) < 1.2e-38 + least * 8388608 ? 0 : 1e30;
    if ((double)got == ref) return ref == 0 && !signbit(got) != !signbit(ref) ? 1e30 : 0;
    if (size > 3.4028235677973366e38) return (float)ref == got ? 0 : isinf(ref) ? 1e30 : (size - 3.4028234663852886e38) / 2.028240960365167e31 < 4 && fabs((double)got) > 3.40282e38 && (got > 0) == (ref > 0) ? 1 : 1e30;
    if (isinf(got)) return (got > 0) == (ref > 0) ? (3.4028236692093846e38 - size) / 2.028240960365167e31 : 1e30;
    away = fabs((double)got - ref);
    if (ref == 0) return least > 0 && away <= least ? 1 : 1e30;
    (void)frexp(size, &e);
    unit = ldexp(1, (e < -125 ? -125 : e) - 24);
    return away / (unit > least ? unit : least);
}
static double ulps64(double got, long double ref) {
    int e;
    if (ref != ref) return got != got ? 0 : 1e30;
    if (got != got) return 1e30;
    if ((long double)got == ref) return 0;
    if (isinf(got) || isinf((double)ref)) return got == (double)ref ? 0 : fabsl(ref) > 1.797e308L && fabs(got) > 1.797e308 ? 1 : 1e30;
    (void)frexpl(ref, &e);
    return (double)(fabsl((long double)got - ref) / ldexpl(1, (e < -1021 ? -1021 : e) - 53));
}

/* One result against the bound of its function: ulps. */
static double measure(const function *q, float x, float got, double ref, bool tiny) {
    return ulps(got, ref, tiny, q->factor && x - x == 0 ? fabs((double)x) * 1.4012984643248171e-45 : 0);
}

/* ---- contexts ---- */
static const tg_isa sets[] = { TG_ISA_PLAIN, TG_ISA_AVX2, TG_ISA_AVX512, TG_ISA_NEON, TG_ISA_SIMD128 };
enum { WAYS = 2 * (int)(sizeof sets / sizeof sets[0]) };   /* each as it is, then strict; plain and simd128 are strict in software, which is slow */
#define IN_SOFTWARE(way) ((way) % 8 == 1)
static tg_ctx *open_set(tg_isa isa, bool strict) {
    tg_config c = test_config(NULL);
    c.isa = isa; c.strict = strict;
    return tg_isa_supported(isa) ? tg_open(&c) : NULL;
}
static const char *set_name(tg_ctx *tg, bool strict) {
    static char text[64];
    snprintf(text, sizeof text, "%s%s", tg_isa_name(tg), strict ? ", strict" : "");
    return text;
}

/* ---- arguments ---- */
enum { COUNT = 1000003 };
static float *arguments;
static double *truth;
static float from_bits(uint32_t u) { float f; memcpy(&f, &u, 4); return f; }
static const float special[] = {
    0.0f, -0.0f, 1, -1, 0.5f, -0.5f, 2, -2, 3, -3, 4, 8, 10, 0.25f, 1.5f, -1.5f, 2.5f, -2.5f, 100, -100, 1000, -1000, 1024, 1e5f, 1e7f, 8388607.5f, 8388608, 16777216, -16777216, 3e9f, 1e20f, -1e20f, 1e38f,
    -1e38f, 3.4028235e38f, -3.4028235e38f, 1.17549435e-38f, -1.17549435e-38f, 1.17549421e-38f, 1e-40f, -1e-40f, 1.4e-45f, -1.4e-45f, 88.7f, 88.72f, 88.73f, 88.9f, -87.3f, -87.4f, -103.9f, -104,
    89.4f, 89.5f, -103.97f, 127.99f, 128, -126, -127, -149, -150, -151, 9.01f, 10.05f, 10.06f, -13, -14, -14.2f, 0.99999994f, 1.0000001f, -0.99999994f, 1.5707963f, 3.1415927f, 102943.7f,
    0.69314718f, 1e-4f, -1e-4f, 1e-10f, 1e-20f, -1e-30f
};
static void make_arguments(void) {
    static const double ranges[][2] = { { -1, 1 }, { -20, 20 }, { -105, 105 }, { 0.7, 1.4 }, { -3, 3 }, { -1e5, 1e5 } };
    int i, n = (int)(sizeof special / sizeof special[0]);
    arguments = (float *)malloc(COUNT * sizeof(float));
    truth = (double *)malloc(COUNT * sizeof(double));
    for (i = 0; i < COUNT; i++) {
        if (i < n) arguments[i] = special[i];
        else if (i < n + 6) arguments[i] = from_bits(i - n == 0 ? 0x7f800000u : i - n == 1 ? 0xff800000u : i - n == 2 ? 0x7fc00000u : i - n == 3 ? 0x7f800001u : i - n == 4 ? 0xffc00001u : 0x007fffffu);
        else if (i & 1) arguments[i] = from_bits(test_random());
        else { const double *r = ranges[test_random() % 6]; arguments[i] = (float)test_uniform(r[0], r[1]); }
    }
}
static bool subnormal(float x) { return fabsf(x) < 1.17549435e-38f && x != 0; }

static void test_f32(void) {
    int f, s, strict, i;
    tg_ctx *tg[WAYS];
    for (s = 0; s < WAYS; s++) tg[s] = open_set(sets[s / 2], s & 1);
    for (f = 0; f < FUNCTIONS; f++) {
        const function *q = &functions[f];
        for (i = 0; i < COUNT; i++) truth[i] = q->ref((double)arguments[i]);
        for (s = 0; s < WAYS; s++) {
            int count = IN_SOFTWARE(s) ? COUNT / 8 : COUNT;
            double worst = 0, at = 0, got = 0, want = 0;
            float *y;
            tg_tensor *t;
            tg_mark m;
            if (!tg[s]) continue;
            strict = s & 1;
            m = tg_begin(tg[s]);
            t = q->op(tg_wrap(tg[s], TG_SHAPE(count), TG_F32, arguments));
            if (!CHECK_MSG(t != NULL, "%s: %s", q->name, tg_error_text(tg[s]))) { tg_clear(tg[s]); continue; }
            y = (float *)t->data;
            for (i = 0; i < count; i++) {
                double e;
                if (!strict && subnormal(arguments[i])) continue;
                e = measure(q, arguments[i], y[i], truth[i], !strict);
                if (e > worst) { worst = e; at = (double)arguments[i]; got = (double)y[i]; want = truth[i]; }
            }
            CHECK_MSG(worst <= q->bound, "%s on %s: %.3g ulp at %.9g: %.9g, wanted %.9g (bound %g)", q->name, set_name(tg[s], strict != 0), worst, at, got, want, q->bound);
            tg_end(tg[s], m);
        }
    }
    for (s = 0; s < WAYS; s++) tg_close(tg[s]);
}

/* ---- two operands ---- */
static double r_remainder(double a, double b) { double r = fmod(a, b); return r != 0 && (r < 0) != (b < 0) ? (double)((float)r + (float)b) : r; }
typedef struct pair_function { const char *name; tg_tensor *(*op)(tg_tensor *a, tg_tensor *b); double (*ref)(double, double); double bound; } pair_function;
static const pair_function pair_functions[] = { { "pow", tg_pow, pow, 2 }, { "atan2", tg_atan2, atan2, 2 }, { "fmod", tg_fmod, fmod, 0 }, { "remainder", tg_remainder, r_remainder, 0.5001 } };
static void test_pairs(void) {
    enum { PAIRS = 250007 };
    static const float values[] = { 0.0f, -0.0f, 1, -1, 0.5f, -0.5f, 2, -2, 3, -3, 1.5f, -2.5f, 5, 1e10f, -1e10f, 3e38f, -3e38f, 1e-38f, 1e-42f, -1e-42f, 16777216, 16777215, 0.33333334f };
    enum { VALUES = (int)(sizeof values / sizeof values[0]) + 3 };
    float *a = (float *)malloc(PAIRS * sizeof(float)), *b = (float *)malloc(PAIRS * sizeof(float)), v[VALUES];
    int f, s, i;
    memcpy(v, values, sizeof values);
    v[VALUES - 3] = INFINITY; v[VALUES - 2] = -INFINITY; v[VALUES - 1] = NAN;
    for (i = 0; i < PAIRS; i++) {
        a[i] = i < VALUES * VALUES ? v[i / VALUES] : from_bits(test_random());
        b[i] = i < VALUES * VALUES ? v[i % VALUES] : from_bits(test_random());
        if (i >= VALUES * VALUES && i % 4) { a[i] = (float)test_uniform(i % 4 == 1 ? 0 : -5, 5); b[i] = (float)test_uniform(-20, 20); }
        if (i >= VALUES * VALUES && i % 16 == 1) { a[i] = (float)exp(test_uniform(-80, 80)); b[i] = (float)test_uniform(-1.2, 1.2); }
    }
    for (f = 0; f < 4; f++) for (s = 0; s < WAYS; s++) {
        const pair_function *q = &pair_functions[f];
        bool strict = s & 1;
        tg_ctx *tg = open_set(sets[s / 2], strict);
        int count = IN_SOFTWARE(s) ? PAIRS / 8 : PAIRS;
        double worst = 0, got = 0, want = 0, x = 0, z = 0;
        tg_tensor *t;
        if (!tg) continue;
        t = q->op(tg_wrap(tg, TG_SHAPE(count), TG_F32, a), tg_wrap(tg, TG_SHAPE(count), TG_F32, b));
        for (i = 0; t && i < count; i++) {
            double ref, e;
            float y = ((float *)t->data)[i];
            if (!strict && (subnormal(a[i]) || subnormal(b[i]) || (f == 3 && subnormal((float)fmod((double)a[i], (double)b[i]))))) continue;
            ref = q->ref((double)a[i], (double)b[i]);
            e = ulps(y, ref, !strict, 0);
            if (ref == 0 && y == 0 && f == 3) e = 0;                       /* the sign of a zero remainder is not promised */
            if (e > worst) { worst = e; x = (double)a[i]; z = (double)b[i]; got = (double)y; want = ref; }
        }
        CHECK_MSG(t && worst <= q->bound, "%s on %s: %.3g ulp at %.9g, %.9g: %.9g, wanted %.9g (bound %g)", q->name, set_name(tg, strict), worst, x, z, got, want, q->bound);
        tg_close(tg);
    }
    free(a); free(b);
}

/* ---- f64, where long double is wider ---- */
static void test_f64(void) {
#if defined(__x86_64__)
    enum { N = 20000 };
    static const double ranges[][2] = { { -1, 1 }, { -20, 20 }, { -700, 700 }, { 0.7, 1.4 }, { -3, 3 }, { -1e5, 1e5 } };
    double *x = (double *)malloc(N * sizeof(double));
    int f, s, i;
    for (i = 0; i < N; i++) {
        const double *r = ranges[test_random() % 6];
        uint64_t u = (uint64_t)test_random() << 32 | test_random();
        if (i % 4 == 0) memcpy(&x[i], &u, 8); else x[i] = test_uniform(r[0], r[1]);
        if (fabs(x[i]) < 1e-307) x[i] = 0.5;
    }
    for (s = 0; s < WAYS; s++) {
        bool strict = s & 1;
        tg_ctx *tg = open_set(sets[s / 2], strict);
        int count = IN_SOFTWARE(s) ? N / 8 : N;
        if (!tg) continue;
        for (f = 0; f < FUNCTIONS; f++) {
            const function *q = &functions[f];
            tg_mark m = tg_begin(tg);
            tg_tensor *t;
            double worst = 0, at = 0, got = 0, want = 0;
            if (!q->long_ref) { tg_end(tg, m); continue; }
            t = q->op(tg_wrap(tg, TG_SHAPE(count), TG_F64, x));
            for (i = 0; t && i < count; i++) {
                double y = ((double *)t->data)[i], e;
                long double ref = q->long_ref((long double)x[i]);
                if (fabsl(ref) < 1e-300L && fabs(y) < 1.01e-300) continue;
                e = ulps64(y, ref);
                if (e > worst) { worst = e; at = x[i]; got = y; want = (double)ref; }
            }
            CHECK_MSG(t && worst <= q->bound64, "f64 %s on %s: %.3g ulp at %.17g: %.17g, wanted %.17g (bound %g)", q->name, set_name(tg, strict), worst, at, got, want, q->bound64);
            tg_end(tg, m);
        }
        tg_close(tg);
    }
    free(x);
#else
    SKIP("long double is no wider than double here: f64 functions");
#endif
}

/* ---- every float ---- */
typedef struct every { const function *f; uint64_t first, stride; double worst, at; pthread_t thread; bool ok; } every;
static void *every_float(void *user) {
    enum { N = 8192 };
    every *j = (every *)user;
    tg_config c = test_config(NULL);
    tg_ctx *tg;
    float *x = (float *)malloc(N * sizeof(float));
    uint64_t u = j->first;
    c.strict = true;
    tg = tg_open(&c);
    j->ok = tg != NULL;
    while (j->ok && u < ((uint64_t)1 << 32)) {
        tg_mark m = tg_begin(tg);
        int n = 0, i;
        tg_tensor *t;
        for (; n < N && u < ((uint64_t)1 << 32); n++, u += j->stride) x[n] = from_bits((uint32_t)u);
        t = j->f->op(tg_wrap(tg, TG_SHAPE(n), TG_F32, x));
        j->ok = t != NULL;
        for (i = 0; t && i < n; i++) {
            const float got = ((float *)t->data)[i];
            const double ref = j->f->ref((double)x[i]);
            double e;
            if (got == (float)ref && got != 0) continue;          /* the nearest float: half an ulp at most, so no time is spent on it */
            e = measure(j->f, x[i], got, ref, false);
            if (e > j->worst) { j->worst = e; j->at = (double)x[i]; }
        }
        tg_end(tg, m);
    }
    tg_close(tg);
    free(x);
    return NULL;
}
static void test_every(const char *only, uint64_t stride, uint64_t seed) {
    every j[64];
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int f, i, n = cores < 1 ? 1 : cores > 64 ? 64 : (int)cores;
    if (stride > 1) printf("seed %lu: the floats whose bits are %lu modulo %lu\n", (unsigned long)seed, (unsigned long)(seed % stride), (unsigned long)stride);
    for (f = 0; f < FUNCTIONS; f++) {
        double worst = 0, at = 0;
        bool ok = true;
        if (only && strcmp(only, functions[f].name) != 0) continue;
        for (i = 0; i < n; i++) {
            memset(&j[i], 0, sizeof j[i]);
            j[i].f = &functions[f]; j[i].first = seed % stride + (uint64_t)i * stride; j[i].stride = stride * (uint64_t)n;
            if (pthread_create(&j[i].thread, NULL, every_float, &j[i]) != 0) ok = false;
        }
        for (i = 0; ok && i < n; i++) { pthread_join(j[i].thread, NULL); ok = ok && j[i].ok; if (j[i].worst > worst) { worst = j[i].worst; at = j[i].at; } }
        if (worst > 0.5) printf("%-11s worst of all floats %.3f ulp at %.9g\n", functions[f].name, worst, at);
        else printf("%-11s every float is rounded correctly\n", functions[f].name);
        fflush(stdout);
        CHECK_MSG(ok && worst <= functions[f].bound, "%s: %.3g ulp at %.9g (bound %g)", functions[f].name, worst, at, functions[f].bound);
    }
}

int main(int argc, char **argv) {
    const char *only = argc > 2 && (argv[2][0] < '0' || argv[2][0] > '9') ? argv[2] : NULL, *seed = getenv("TG_TEST_SEED");
    uint64_t stride = argc > (only ? 3 : 2) ? strtoull(argv[only ? 3 : 2], NULL, 10) : 1;
    make_arguments();
    test_f32();
    test_pairs();
    test_f64();
    if (test_all() || (argc > 1 && strcmp(argv[1], "all") == 0)) test_every(only, stride ? stride : 1, seed ? strtoull(seed, NULL, 10) : 0);
    return test_end("maths");
}
