/* run.sh flags: -Wl,--no-as-needed -lm */
/* Random numbers. What they are made of: Philox words by seed, stream, call number and element alone, whatever shape, strides, threads and instruction set. How they are distributed: what every
   random operation draws becomes, through its own distribution function, numbers that must be uniform in [0, 1) and independent: of their neighbours, of another call's, stream's and seed's. The
   seeds are fixed, so that what passes once passes always. Every bound is in deviations of what is measured, five of them: 1 in 2 million by chance. That wrong numbers are found is tested too. */
#include "test.h"
#include <math.h>

static tg_ctx *tg;
static double el(tg_tensor *t, int64_t i) { t = tg_flatten(t, 0, -1); return t ? tg_get(t, &i) : -77; }
static int64_t count_eq(tg_tensor *t, double v) { return tg_item_i64(tg_sum(tg_eq_scalar(t, v))); }
static void state(tg_ctx *c, uint64_t seed, uint64_t stream, uint64_t call) { tg_random_state s; s.seed = seed; s.stream = stream; s.call = call; tg_random_set(c, s); }

/* ---- judging numbers that should be uniform and independent ---- */
enum { MOST = 1 << 18, CELLS = 256 };
#define LIMIT 5.0
typedef struct verdict { double z; char what[80]; } verdict;           /* the worst of all that was measured, in deviations */
TEST_PRINTF(3, 4) static void measured(verdict *v, double z, const char *format, ...) {
    va_list list;
    if (fabs(z) <= v->z) return;
    v->z = fabs(z) < 1e6 ? fabs(z) : 1e6;                              /* a NaN too */
    va_start(list, format);
    vsnprintf(v->what, sizeof v->what, format, list);
    va_end(list);
}
/* A sum of squared deviations over `freedom` degrees, as deviations of a normal number (Wilson and Hilferty): too large is uneven, far too small is more even than chance. */
static double chi_deviations(double chi, double freedom) { return (cbrt(chi / freedom) - (1 - 2 / (9 * freedom))) / sqrt(2 / (9 * freedom)); }
static double chi_even(const int *count, int cells, double n) {
    double chi = 0, e = n / cells;
    int i;
    for (i = 0; i < cells; i++) chi += (count[i] - e) * (count[i] - e) / e;
    return chi_deviations(chi, cells - 1);
}
static int cell(double u, int cells) { const int c = (int)(u * cells); return c < 0 ? 0 : c < cells ? c : cells - 1; }
static double rare(double got, double expected) { return 2 * (sqrt(got + 0.375) - sqrt(expected + 0.375)); }      /* of a count of rare events (Anscombe) */

/* Two numbers each of n pairs, u[i * step] and v[i * step]. */
static void judge_pairs(verdict *w, const double *u, const double *v, int64_t n, int step, const char *what) {
    int count[CELLS] = { 0 };
    double plain = 0, size = 0;
    int64_t i, same = 0;
    for (i = 0; i < n; i++) {
        const double a = u[i * step] - 0.5, b = v[i * step] - 0.5;
        plain += a * b; size += (a * a - 1.0 / 12) * (b * b - 1.0 / 12); same += a == b;
        count[16 * cell(a + 0.5, 16) + cell(b + 0.5, 16)]++;
    }
    measured(w, plain * 12 / sqrt((double)n), "%s: correlation", what);
    measured(w, size * 180 / sqrt((double)n), "%s: correlation of squares", what);
    measured(w, chi_even(count, CELLS, (double)n), "%s: 16 x 16 cells", what);
    measured(w, rare((double)same, (double)n / 16777216), "%s: equal ones", what);
}
static verdict judge(const double *u, int64_t n) {
    static const int lags[] = { 1, 2, 3, 4, 5, 7, 8, 15, 16, 32, 64, 128, 256, 512, 1024, 4096, 8192 };
    verdict v;
    int count[CELLS] = { 0 };
    double m1 = 0, m2 = 0, m3 = 0, m4 = 0, low = 0, high = 0;
    int64_t i, outside = 0;
    size_t k;
    memset(&v, 0, sizeof v);
    for (i = 0; i < n; i++) {
        const double a = u[i] - 0.5;
        outside += !(u[i] >= 0 && u[i] <= 1);                          /* the function of a large normal number rounds to 1 */
        m1 += a; m2 += a * a - 1.0 / 12; m3 += a * a * a; m4 += a * a * a * a - 1.0 / 80;
        low += u[i] < 1e-4; high += u[i] >= 1 - 1e-4;
        count[cell(u[i], CELLS)]++;
    }
    if (outside) { measured(&v, NAN, "%d lie outside", (int)outside); return v; }
    measured(&v, m1 * sqrt(12 / (double)n), "mean");
    measured(&v, m2 * sqrt(180 / (double)n), "variance");
    measured(&v, m3 * sqrt(448 / (double)n), "third moment");
    measured(&v, m4 * sqrt(3600 / (double)n), "fourth moment");
    measured(&v, chi_even(count, CELLS, (double)n), "256 cells");
    measured(&v, rare(low, 1e-4 * (double)n), "the lowest ten-thousandth");
    measured(&v, rare(high, 1e-4 * (double)n), "the highest ten-thousandth");
    judge_pairs(&v, u, u + 1, n / 2, 2, "even and next");
    judge_pairs(&v, u + 1, u + 2, n / 2 - 1, 2, "odd and next");
    for (k = 0; k < sizeof lags / sizeof lags[0] && lags[k] < n / 4; k++) {
        double plain = 0, size = 0, mixed = 0;
        const int64_t m = n - lags[k];
        for (i = 0; i < m; i++) {
            const double a = u[i] - 0.5, b = u[i + lags[k]] - 0.5;
            plain += a * b; size += (a * a - 1.0 / 12) * (b * b - 1.0 / 12); mixed += a * (b * b - 1.0 / 12);
        }
        measured(&v, plain * 12 / sqrt((double)m), "correlation with the %dth behind", lags[k]);
        measured(&v, size * 180 / sqrt((double)m), "correlation of squares with the %dth behind", lags[k]);
        measured(&v, mixed * sqrt(12.0 * 180) / sqrt((double)m), "correlation with the square of the %dth behind", lags[k]);
    }
    return v;
}
#define JUDGED(v, ...) do { char say_[120]; snprintf(say_, sizeof say_, __VA_ARGS__); CHECK_MSG((v).z < LIMIT, "%s: %.1f deviations: %s", say_, (v).z, (v).what); } while (0)

/* Numbers of another generator pass, and wrong ones, each only a little, are found. */
static double *draws_u, *draws_v;
static void test_judge(void) {
    static const char *const wrongs[] = { "none", "bent by 2 %", "narrower by 0.5 %", "without the lowest ten-thousandth", "multiples of 1/200", "one in 50 repeats the last", "one in 50 mirrors the last",
        "one in 50 repeats that of 64 before", "more even than chance", "every second of two halves", "a NaN", "a 1.5" };
    const int64_t n = MOST;
    int w;
    for (w = 0; w < (int)(sizeof wrongs / sizeof wrongs[0]); w++) {
        int64_t i;
        verdict v;
        for (i = 0; i < n; i++) {
            double u = test_uniform(0, 1);
            const bool some = test_random() % 50 == 0;
            switch (w) {
                case 1: u = pow(u, 1.02); break;
                case 2: u = 0.5 + (u - 0.5) * 0.995; break;
                case 3: u = u < 1e-4 ? u + 0.5 : u; break;
                case 4: u = floor(u * 200) / 200; break;
                case 5: if (some && i > 0) u = draws_u[i - 1]; break;
                case 6: if (some && i > 0) u = 1 - draws_u[i - 1]; break;
                case 7: if (some && i > 63) u = draws_u[i - 64]; break;
                case 8: u = ((double)(i * 97 % n) + u) / (double)n; break;
                case 9: if (i & 1) u = (floor(draws_u[i - 1] * 2) + u) / 2; break;
                case 10: if (i == 77) u = NAN; break;
                case 11: if (i == 77) u = 1.5; break;
                default: break;
            }
            draws_u[i] = u;
        }
        v = judge(draws_u, n);
        if (w == 0) JUDGED(v, "the test's own generator"); else CHECK_MSG(v.z >= LIMIT, "numbers that are wrong (%s) are not found", wrongs[w]);
    }
    for (w = 0; w < 4; w++) {                                          /* and between two: independent, one in 20 the same, one in 20 mirrored, the other's neighbours */
        int64_t i;
        verdict v;
        memset(&v, 0, sizeof v);
        for (i = 0; i < n; i++) { draws_u[i] = test_uniform(0, 1); draws_v[i] = test_uniform(0, 1); if (w == 1 && i % 20 == 0) draws_v[i] = draws_u[i]; if (w == 2 && i % 20 == 0) draws_v[i] = 1 - draws_u[i]; }
        if (w == 3) memcpy(draws_v, draws_u + 1, (size_t)(n - 1) * sizeof *draws_u);
        judge_pairs(&v, draws_u, draws_v, n, 1, "two");
        if (w == 3) judge_pairs(&v, draws_u + 1, draws_v, n - 1, 1, "shifted");
        CHECK_MSG((v.z < LIMIT) == (w == 0), "two sequences, case %d: %.1f deviations: %s", w, v.z, v.what);
    }
}

/* ---- every random operation: what it draws for a shape, and the distribution function of that. Where values are few, a number j of [0, 1) spreads each over its share. ---- */
static tg_tensor *empty(tg_ctx *c, int n, const int64_t *s, tg_dtype d) { return tg_empty(c, n, s, d); }
static const double weights[5] = { 1, 0, 3, 0.5, 5.5 }, behind[5] = { 0, 0.1, 0.1, 0.4, 0.45 };
static tg_tensor *weighted(tg_ctx *c) { return tg_from(c, TG_SHAPE(5), TG_F64, weights); }
#define DRAW(name, ...) static tg_tensor *name(tg_ctx *c, int n, const int64_t *s) { return __VA_ARGS__; }
DRAW(d_rand, tg_rand(c, n, s))
DRAW(d_rand_like, tg_rand_like(empty(c, n, s, TG_F64)))
DRAW(d_uniform, tg_uniform_(empty(c, n, s, TG_F32), -3, 5))
DRAW(d_uniform_f64, tg_uniform_(empty(c, n, s, TG_F64), 1e10, 1e10 + 1))
DRAW(d_uniform_f16, tg_uniform_(empty(c, n, s, TG_F16), 0, 1))
DRAW(d_uniform_bf16, tg_rand_like(empty(c, n, s, TG_BF16)))
DRAW(d_rrelu, tg_rrelu(tg_full(c, n, s, -1, TG_F32), 0.125, 1.0 / 3, true))
DRAW(d_randn, tg_randn(c, n, s))
DRAW(d_randn_like, tg_randn_like(empty(c, n, s, TG_F64)))
DRAW(d_normal_, tg_normal_(empty(c, n, s, TG_F64), 10, 0.25))
DRAW(d_normal, tg_normal(tg_full(c, n, s, -2, TG_F32), tg_number(c, 3)))
DRAW(d_randint, tg_randint(c, -3, 4, n, s))
DRAW(d_randint_wide, tg_randint(c, INT64_MIN, INT64_C(1) << 61, n, s))           /* of 5 eighths of all: a remainder would favour some */
DRAW(d_randint_like, tg_randint_like(empty(c, n, s, TG_I16), -30000, 30000))
DRAW(d_randint_half, tg_randint_like(empty(c, n, s, TG_BF16), 0, 256))
DRAW(d_bernoulli, tg_bernoulli(tg_full(c, n, s, 0.3, TG_F32)))
DRAW(d_bernoulli_f64, tg_bernoulli(tg_full(c, n, s, 0.01, TG_F64)))
DRAW(d_bernoulli_half, tg_bernoulli(tg_full(c, n, s, 0.75, TG_BF16)))
DRAW(d_dropout, tg_dropout(tg_ones(c, n, s), 0.1, true))
DRAW(d_dropout_f64, tg_dropout(tg_full(c, n, s, 1, TG_F64), 0.5, true))
DRAW(d_dropout_half, tg_dropout(tg_full(c, n, s, 1, TG_F16), 0.9, true))
static int64_t size_of(int n, const int64_t *s) { int64_t k = 1; while (n > 0) k *= s[--n]; return k; }
DRAW(d_multinomial, tg_reshape(tg_multinomial(weighted(c), size_of(n, s), true), n, s))
DRAW(d_multinomial_many, tg_reshape(tg_multinomial(tg_ones(c, TG_SHAPE(1000)), size_of(n, s), true), n, s))
DRAW(d_multinomial_rows, tg_reshape(tg_multinomial(tg_expand(tg_to(weighted(c), TG_F32), TG_SHAPE(size_of(n, s), 5)), 1, false), n, s))
#define CDF(name, ...) static double name(double x, double j) { (void)j; return __VA_ARGS__; }
CDF(c_unit, x)
CDF(c_uniform, (x + 3) / 8)
CDF(c_far, x - 1e10)
CDF(c_f16, x + j / 2048)
CDF(c_bf16, x + j / 256)
CDF(c_rrelu, (-x - 0.125) / (1.0 / 3 - 0.125))
static double normal_below(double x) { return 0.5 * erfc(-x / 1.41421356237309504880); }
CDF(c_normal, normal_below(x))
CDF(c_normal_, normal_below((x - 10) * 4))
CDF(c_normal_3, normal_below((x + 2) / 3))
CDF(c_seven, (x + 3 + j) / 7)
CDF(c_wide, (x / 9223372036854775808.0 + 1) / 1.25)
CDF(c_i16, (x + 30000 + j) / 60000)
CDF(c_256, (x + j) / 256)
static double either(bool yes, double p, double j) { return yes ? p * j : p + (1 - p) * j; }
CDF(c_03, either(x == 1, 0.3, j))
CDF(c_001, either(x == 1, 0.01, j))
CDF(c_075, either(x == 1, 0.75, j))
CDF(c_drop_01, either(x == 0, 0.1, j))
CDF(c_drop_05, either(x == 0, 0.5, j))
CDF(c_drop_09, either(x == 0, 0.9, j))
CDF(c_weights, x == 1 ? -1 : behind[(int)x] + weights[(int)x] / 10 * j)           /* a class without weight is never drawn */
CDF(c_1000, (x + j) / 1000)
#undef DRAW
#undef CDF
/* PREFIX: element i is the same in every shape; NORMAL: near each other on all instruction sets, the same bits in strict mode only */
enum { PREFIX = 1, NORMAL = 2 };
typedef struct draw { const char *name; tg_tensor *(*make)(tg_ctx *c, int ndim, const int64_t *shape); double (*below)(double x, double j); int flags; } draw;
static const draw draws[] = {
    { "rand", d_rand, c_unit, PREFIX }, { "rand_like f64", d_rand_like, c_unit, PREFIX }, { "uniform_", d_uniform, c_uniform, PREFIX }, { "uniform_ f64", d_uniform_f64, c_far, PREFIX },
    { "uniform_ f16", d_uniform_f16, c_f16, PREFIX }, { "rand_like bf16", d_uniform_bf16, c_bf16, PREFIX }, { "rrelu", d_rrelu, c_rrelu, PREFIX },
    { "randn", d_randn, c_normal, PREFIX | NORMAL }, { "randn_like f64", d_randn_like, c_normal, PREFIX | NORMAL }, { "normal_", d_normal_, c_normal_, PREFIX | NORMAL }, { "normal", d_normal, c_normal_3, PREFIX | NORMAL },
    { "randint", d_randint, c_seven, PREFIX }, { "randint, 5/8 of all", d_randint_wide, c_wide, PREFIX }, { "randint_like", d_randint_like, c_i16, PREFIX }, { "randint_like bf16", d_randint_half, c_256, PREFIX },
    { "bernoulli", d_bernoulli, c_03, PREFIX }, { "bernoulli f64", d_bernoulli_f64, c_001, PREFIX }, { "bernoulli bf16", d_bernoulli_half, c_075, PREFIX },
    { "dropout", d_dropout, c_drop_01, PREFIX }, { "dropout f64", d_dropout_f64, c_drop_05, PREFIX }, { "dropout f16", d_dropout_half, c_drop_09, PREFIX },
    { "multinomial", d_multinomial, c_weights, PREFIX }, { "multinomial of 1000", d_multinomial_many, c_1000, PREFIX }, { "multinomial, one a row", d_multinomial_rows, c_weights, 0 } };
enum { DRAWS = sizeof draws / sizeof draws[0] };

/* n numbers of it as they should be uniform */
static bool uniforms(const draw *d, int64_t n, double *u) {
    const tg_mark m = tg_begin(tg);
    tg_tensor *t = tg_to(d->make(tg, 1, &n), TG_F64);
    int64_t i;
    bool ok = CHECK_MSG(t && tg_read(t, u, (size_t)n * sizeof *u), "%s: %s", d->name, tg_error_text(tg));
    for (i = 0; ok && i < n; i++) u[i] = d->below(u[i], test_uniform(0, 1));
    tg_clear(tg);
    tg_end(tg, m);
    return ok;
}
static void test_distributions(void) {
    int k;
    for (k = 0; k < DRAWS; k++) {
        state(tg, 20, 0, (uint64_t)k);
        if (uniforms(&draws[k], MOST, draws_u)) JUDGED(judge(draws_u, MOST), "%s", draws[k].name);
        CHECK_INT(tg_random_get(tg).call, k + 1);                      /* each takes one call number */
    }
}
static void test_independence(void) {
    static const tg_random_state two[][2] = { { { 1, 0, 0 }, { 1, 0, 1 } }, { { 1, 0, 41 }, { 1, 0, 42 } }, { { 1, 0, 7 }, { 1, 0, 7 + (UINT64_C(1) << 32) } },            /* calls */
        { { 1, 0, 5 }, { 1, 1, 5 } }, { { 1, 1, 5 }, { 1, 2, 5 } }, { { 0, 6, 5 }, { 0, 6 + (UINT64_C(1) << 40), 5 } },                                                     /* streams */
        { { 0, 0, 5 }, { 1, 0, 5 } }, { { 8, 3, 5 }, { 9, 3, 5 } }, { { 2, 0, 5 }, { 2 + (UINT64_C(1) << 32), 0, 5 } }, { { 3, 4, 5 }, { 4, 3, 5 } }, { { 3, 5, 4 }, { 3, 4, 5 } } };   /* seeds */
    const int64_t n = 1 << 15;
    int k, w, i;
    for (k = 0; k < DRAWS; k++) for (w = 0; w < (int)(sizeof two / sizeof two[0]); w++) {
        verdict v;
        memset(&v, 0, sizeof v);
        tg_random_set(tg, two[w][0]);
        if (!uniforms(&draws[k], n, draws_u)) return;
        tg_random_set(tg, two[w][1]);
        if (!uniforms(&draws[k], n, draws_v)) return;
        for (i = 0; i < 3; i++) { judge_pairs(&v, draws_u + i, draws_v, n - i, 1, "the same places"); judge_pairs(&v, draws_u, draws_v + i, n - i, 1, "neighbours"); }
        JUDGED(v, "%s, states %d", draws[k].name, w);
    }
    /* one number of each of many calls, streams, seeds: as for workers that have each its own */
    for (k = 0; k < DRAWS; k += 7) for (w = 0; w < 3; w++) {
        for (i = 0; i < 1 << 14; i++) {
            state(tg, w == 2 ? (uint64_t)i : 3, w == 1 ? (uint64_t)i : 3, w == 0 ? (uint64_t)i : 3);
            if (!uniforms(&draws[k], 1, draws_u + i)) return;
        }
        JUDGED(judge(draws_u, 1 << 14), "%s, one of each %s", draws[k].name, w == 2 ? "seed" : w == 1 ? "stream" : "call");
    }
}
/* All the bits that a number has, and the far ends of the normal distribution. */
static void test_bits_and_tails(void) {
    static const double far[] = { 3, 3.5, 4, 4.5, 5 };
    const int64_t n = 1 << 22;
    int bit, k, d;
    tg_mark m = tg_begin(tg);
    tg_tensor *t;
    const float *f;
    const double *g;
    const int64_t *l;
    int64_t i;
    state(tg, 77, 0, 0);
    t = tg_rand(tg, TG_SHAPE(MOST)); f = (const float *)t->data;
    for (bit = 0; bit < 24; bit++) { int64_t ones = 0; for (i = 0; i < MOST; i++) ones += (int64_t)((double)f[i] * 16777216) >> bit & 1; CHECK_MSG(fabs((double)ones - MOST / 2) < LIMIT * sqrt(MOST / 4), "bit %d of f32: %d of %d are set", bit, (int)ones, MOST); }
    t = tg_uniform_(tg_empty(tg, TG_SHAPE(MOST), TG_F64), 0, 1); g = (const double *)t->data;
    for (bit = 0; bit < 53; bit++) { int64_t ones = 0; for (i = 0; i < MOST; i++) ones += (int64_t)(g[i] * 9007199254740992.0) >> bit & 1; CHECK_MSG(fabs((double)ones - MOST / 2) < LIMIT * sqrt(MOST / 4), "bit %d of f64: %d of %d are set", bit, (int)ones, MOST); }
    t = tg_randint(tg, 0, INT64_MAX, TG_SHAPE(MOST)); l = (const int64_t *)t->data;
    for (bit = 0; bit < 63; bit++) { int64_t ones = 0; for (i = 0; i < MOST; i++) ones += l[i] >> bit & 1; CHECK_MSG(fabs((double)ones - MOST / 2) < LIMIT * sqrt(MOST / 4), "bit %d of integers: %d of %d are set", bit, (int)ones, MOST); }
    tg_end(tg, m);
    for (d = 0; d < 2; d++) {
        m = tg_begin(tg);
        t = tg_normal_(tg_empty(tg, TG_SHAPE(n), d ? TG_F64 : TG_F32), 0, 1);
        CHECK(tg_item(tg_all(tg_isfinite(t))) == 1 && tg_item(tg_amax(t)) < (d ? 8.5 : 5.78));
        for (k = 0; k < 5; k++) {
            const double expected = (double)n * normal_below(-far[k]), above = tg_item(tg_sum(tg_gt_scalar(t, far[k]))), below = tg_item(tg_sum(tg_lt_scalar(t, -far[k])));
            CHECK_MSG(fabs(rare(above, expected)) < LIMIT && fabs(rare(below, expected)) < LIMIT, "%s normals: %.0f above %g and %.0f below, expected %.1f each", d ? "f64" : "f32", above, far[k], below, expected);
        }
        tg_end(tg, m);
    }
    CHECK_OK(tg);
}

/* ---- what the numbers are made of ---- */
static void philox(const uint32_t *counter, const uint32_t *key, uint32_t *out) {        /* as in the paper, from its text */
    uint32_t c[4], k[2], n[4];
    int r;
    memcpy(c, counter, sizeof c); memcpy(k, key, sizeof k);
    for (r = 0; r < 10; r++) {
        uint64_t m0 = UINT64_C(0xD2511F53) * c[0], m1 = UINT64_C(0xCD9E8D57) * c[2];
        n[0] = (uint32_t)(m1 >> 32) ^ c[1] ^ k[0]; n[1] = (uint32_t)m1; n[2] = (uint32_t)(m0 >> 32) ^ c[3] ^ k[1]; n[3] = (uint32_t)m0;
        memcpy(c, n, sizeof c);
        k[0] += 0x9E3779B9u; k[1] += 0xBB67AE85u;
    }
    memcpy(out, c, sizeof c);
}
static uint32_t word_of(uint64_t seed, uint64_t call, uint64_t index) {
    uint32_t c[4], k[2], out[4];
    c[0] = (uint32_t)(index / 4); c[1] = (uint32_t)(index / 4 >> 32); c[2] = (uint32_t)call; c[3] = (uint32_t)(call >> 32); k[0] = (uint32_t)seed; k[1] = (uint32_t)(seed >> 32);
    philox(c, k, out);
    return out[index % 4];
}
static void test_words(void) {
    static const uint32_t vectors[3][10] = { /* Random123's kat_vectors for philox4x32 10: counter, key, result */
        { 0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 },
        { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd },
        { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } };
    uint32_t out[4];
    int i, k, wrong;
    tg_random_state s, z;
    tg_mark mark = tg_begin(tg);
    for (i = 0; i < 3; i++) { philox(vectors[i], vectors[i] + 4, out); CHECK(!memcmp(out, vectors[i] + 6, sizeof out)); }
    tg_seed(tg, 0); tg_stream(tg, 0);
    s = tg_random_get(tg); CHECK(s.seed == 0 && s.stream == 0 && s.call == 0);
    { tg_tensor *t = tg_rand(tg, TG_SHAPE(4)); for (k = 0; k < 4; k++) CHECK(el(t, k) == (vectors[0][6 + k] >> 8) / 16777216.0); }        /* the known answer itself */
    for (i = 0; i < 20; i++) {                                          /* any seed, call and place, f32, f64 and integers */
        uint64_t seed = (uint64_t)test_random() << 32 | test_random(), call = i & 1 ? (uint64_t)test_random() << 20 : test_random() % 100;
        int64_t n = 1 + test_random() % 20000, j;
        tg_tensor *t, *u, *v;
        s.seed = seed; s.stream = 0; s.call = call;
        tg_random_set(tg, s); t = tg_rand(tg, TG_SHAPE(n)); z = tg_random_get(tg); CHECK(z.seed == seed && z.call == call + 1 && z.stream == 0);
        tg_random_set(tg, s); u = tg_uniform_(tg_empty(tg, TG_SHAPE(n), TG_F64), 0, 1);
        tg_random_set(tg, s); v = tg_randint(tg, INT64_MIN, INT64_MAX, TG_SHAPE(n));
        for (j = 0, wrong = 0; j < n; j++) {
            uint64_t two = (uint64_t)word_of(seed, call, (uint64_t)(2 * j + 1)) << 32 | word_of(seed, call, (uint64_t)(2 * j));
            if (((float *)t->data)[j] != (float)(word_of(seed, call, (uint64_t)j) >> 8) / 16777216.0f) wrong++;
            if (((double *)u->data)[j] != (double)(two >> 11) / 9007199254740992.0) wrong++;
            if (((int64_t *)v->data)[j] != (int64_t)((uint64_t)INT64_MIN + (two ? two - 1 : 0))) wrong++;
        }
        CHECK_INT(wrong, 0);
    }
    /* one call number each, whatever the size */
    tg_seed(tg, 5); (void)tg_rand(tg, TG_SHAPE(1)); CHECK_INT(tg_random_get(tg).call, 1); (void)tg_randn(tg, TG_SHAPE(1000, 100)); CHECK_INT(tg_random_get(tg).call, 2); (void)tg_rand(tg, TG_SHAPE(0)); CHECK_INT(tg_random_get(tg).call, 3);
    (void)tg_uniform_(tg_zeros(tg, TG_SHAPE(3)), 0, 1); CHECK_INT(tg_random_get(tg).call, 4); (void)tg_randint(tg, 0, 2, TG_SHAPE(3)); CHECK_INT(tg_random_get(tg).call, 5); (void)tg_bernoulli(tg_zeros(tg, TG_SHAPE(3))); CHECK_INT(tg_random_get(tg).call, 6); (void)tg_dropout(tg_zeros(tg, TG_SHAPE(3)), 0.5, true); CHECK_INT(tg_random_get(tg).call, 7);
    (void)tg_ones(tg, TG_SHAPE(3)); (void)tg_dropout(tg_zeros(tg, TG_SHAPE(3)), 0.5, false); CHECK_INT(tg_random_get(tg).call, 7);
    { tg_tensor *a, *b; tg_seed(tg, 7); a = tg_rand(tg, TG_SHAPE(5)); tg_seed(tg, 7); b = tg_rand(tg, TG_SHAPE(5)); CHECK(tg_equal(a, b)); CHECK(!tg_equal(b, tg_rand(tg, TG_SHAPE(5)))); }
    { tg_config c = test_config(NULL); tg_ctx *o; tg_tensor *a; c.seed = 7; o = tg_open(&c); tg_seed(tg, 7); a = tg_rand(o, TG_SHAPE(5)); { float p[5], q[5]; CHECK(tg_read_f32(a, p, 5) && tg_read_f32(tg_rand(tg, TG_SHAPE(5)), q, 5) && !memcmp(p, q, sizeof p)); } tg_close(o); }
    tg_end(tg, mark);
    CHECK_OK(tg);
}

/* ---- the same numbers for any shape, strides, threads, instruction set ---- */
static tg_ctx *opened(tg_isa isa, bool strict, int threads) { tg_config c = test_config(NULL); c.isa = isa; c.strict = strict; c.threads = threads; return tg_open(&c); }
static bool drawn(tg_ctx *c, const draw *d, int ndim, const int64_t *shape, double *u) {
    const tg_mark m = tg_begin(c);
    bool ok;
    state(c, 5, 6, 7);
    ok = tg_read(tg_to(d->make(c, ndim, shape), TG_F64), u, (size_t)size_of(ndim, shape) * sizeof *u);
    CHECK_MSG(ok, "%s: %s", d->name, tg_error_text(c));
    tg_clear(c);
    tg_end(c, m);
    return ok;
}
static void test_same(void) {
    static const int64_t line[1] = { 60000 }, shorter[1] = { 12345 }, shape[4] = { 5, 300, 1, 40 };
    double *a = draws_u, *b = draws_v, *strict = (double *)malloc(60000 * sizeof *strict);
    tg_ctx *c;
    int k, i;
    if (!strict) return;
    for (k = 0; k < DRAWS; k++) {
        const draw *d = &draws[k];
        bool have = false;
        if (!drawn(tg, d, 1, line, a)) break;
        CHECK_MSG(drawn(tg, d, 4, shape, b) && !memcmp(a, b, 60000 * sizeof *a), "%s: another shape gives other numbers", d->name);
        if (d->flags & PREFIX) CHECK_MSG(drawn(tg, d, 1, shorter, b) && !memcmp(a, b, 12345 * sizeof *a), "%s: fewer are not the first ones", d->name);
        for (i = 2; i <= 5; i += 3) {
            c = opened(TG_ISA_BEST, false, i);
            if (!c) continue;
            CHECK_MSG(drawn(c, d, 1, line, b) && !memcmp(a, b, 60000 * sizeof *a), "%s: %d threads give other numbers", d->name, i);
            tg_close(c);
        }
        for (i = TG_ISA_PLAIN; i <= TG_ISA_SIMD128; i++) {
            int64_t e, far = 0;
            c = opened((tg_isa)i, false, 0);
            if (!c) continue;
            (void)drawn(c, d, 1, line, b);
            for (e = 0; e < 60000; e++) far += d->flags & NORMAL ? !test_near(a[e], b[e], 1e-5 * (1 + fabs(a[e]))) : a[e] != b[e];
            CHECK_MSG(far == 0, "%s: %d of 60000 numbers are others on %s", d->name, (int)far, tg_isa_name(c));
            tg_close(c);
            c = opened((tg_isa)i, true, 0);
            if (!c) continue;
            (void)drawn(c, d, 1, line, have ? b : strict);
            CHECK_MSG(!have || !memcmp(strict, b, 60000 * sizeof *b), "%s: in strict mode other bits on %s", d->name, tg_isa_name(c));
            have = true;
            tg_close(c);
        }
    }
    free(strict);
}
/* Into and beside tensors of any strides: element i counts in row-major order. */
static tg_tensor *turned(tg_tensor *t) { return tg_t(tg_contiguous(tg_t(t))); }
static tg_tensor *beside(int k, tg_tensor *t) {
    switch (k) {
        case 0: return tg_uniform_(t, -1, 1);
        case 1: return tg_normal_(t, 1, 2);
        case 2: return tg_bernoulli(tg_add_scalar(tg_mul_scalar(t, 0), 0.5));
        case 3: return tg_dropout(t, 0.5, true);
        case 4: return tg_rrelu(t, 0.25, 0.5, true);
        case 5: return tg_rand_like(t);
        case 6: return tg_randn_like(t);
        case 7: return tg_randint_like(t, 0, 100);
        case 8: return tg_normal(t, tg_add_scalar(tg_abs(t), 1));
        case 9: return tg_multinomial(tg_add_scalar(tg_abs(t), 1), 7, true);
        case 10: return tg_multinomial(tg_add_scalar(tg_abs(t), 1), 7, false);
        default: return NULL;
    }
}
static void test_strides(void) {
    int k;
    for (k = 0; k < 11; k++) {
        const tg_mark m = tg_begin(tg);
        tg_tensor *x = tg_clone(tg_sub_scalar(tg_reshape(tg_arange(tg, 0, 60 * 501, 1, TG_F32), TG_SHAPE(60, 501)), 15000)), *want, *room = tg_zeros(tg, TG_SHAPE(120, 1003)), *part = tg_slice(room, "::2, 1:1002:2"), *back;
        CHECK(tg_copy_(part, x) != NULL);
        back = tg_slice(tg_clone(tg_slice(x, "::-1")), "::-1");
        state(tg, 99, 1, 7); want = tg_clone(beside(k, tg_clone(x)));
        state(tg, 99, 1, 7); CHECK_MSG(tg_equal(want, beside(k, turned(x))), "operation %d, transposed", k);
        state(tg, 99, 1, 7); CHECK_MSG(tg_equal(want, beside(k, back)), "operation %d, back to front", k);
        state(tg, 99, 1, 7); CHECK_MSG(tg_equal(want, beside(k, part)), "operation %d, a part", k);
        CHECK(el(room, 0) == 0 && el(room, 2) == 0 && tg_item(tg_sum(tg_abs(tg_select(room, 0, 1)))) == 0);      /* what lies between stays */
        CHECK_OK(tg);
        tg_clear(tg);
        tg_end(tg, m);
    }
    for (k = 0; k < 2; k++) {                                          /* halves are the rounded f32 */
        const tg_mark m = tg_begin(tg);
        tg_tensor *a, *b;
        const tg_dtype half = k ? TG_BF16 : TG_F16;
        state(tg, 1, 0, 0); a = tg_randn(tg, TG_SHAPE(3, 5001));
        state(tg, 1, 0, 0); b = tg_randn_like(tg_empty(tg, TG_SHAPE(3, 5001), half));
        CHECK(tg_equal(tg_to(a, half), b));
        state(tg, 1, 0, 0); a = tg_dropout(tg_ones(tg, TG_SHAPE(3, 5001)), 0.3, true);
        state(tg, 1, 0, 0); b = tg_dropout(tg_full(tg, TG_SHAPE(3, 5001), 1, half), 0.3, true);
        CHECK(tg_equal(tg_to(a, half), b));
        tg_end(tg, m);
    }
    CHECK_OK(tg);
}

/* ---- choices: of several at once, of one after another ---- */
/* `got` of n draws where each hits with probability p: within five deviations? */
static bool likely(double got, double n, double p) { const double d = fabs(got - n * p) - 1; return d <= 0 || d * d <= 25 * n * p * (1 - p); }
static void test_choices(void) {
    static const float w[5] = { 1, 0, 3, 0.5f, 5.5f };
    static const double odd[4] = { 0, 1e-300, 0, 3e-300 };
    tg_tensor *p = tg_from_f32(tg, TG_SHAPE(5), w), *y, *s, *rows = tg_expand(p, TG_SHAPE(20000, 5));
    int64_t k, n = 40000;
    tg_seed(tg, 11);
    y = tg_multinomial(p, n, true); CHECK(y && y->dtype == TG_I64 && y->shape[0] == n);
    /* one draw a row, and the two first of a row: (i, j) has p_i p_j / (1 - p_i) */
    y = tg_multinomial(rows, 1, false);
    for (k = 0; k < 5; k++) CHECK_MSG(likely((double)count_eq(y, (double)k), 20000, w[k] / 10), "one draw: class %d came %d times", (int)k, (int)count_eq(y, (double)k));
    y = tg_multinomial(rows, 4, false);
    CHECK(count_eq(y, 1) == 0 && count_eq(y, 0) == 20000 && count_eq(y, 4) == 20000);
    s = tg_add(tg_mul_scalar(tg_select(y, 1, 0), 10), tg_select(y, 1, 1));
    { int64_t i, j;
      for (i = 0; i < 5; i++) for (j = 0; j < 5; j++) {
        double pi = w[i] / 10, q = i == j ? 0 : pi * (w[j] / 10) / (1 - pi);
        CHECK_MSG(likely((double)count_eq(s, (double)(i * 10 + j)), 20000, q), "without replacement: %d then %d came %d times", (int)i, (int)j, (int)count_eq(s, (double)(i * 10 + j)));
      } }
    y = tg_multinomial(rows, 3, true);
    for (k = 0; k < 5; k++) CHECK(likely((double)count_eq(tg_select(y, 1, 2), (double)k), 20000, w[k] / 10));
    y = tg_multinomial(tg_from(tg, TG_SHAPE(4), TG_F64, odd), n, true); CHECK(likely((double)count_eq(y, 3), (double)n, 0.75) && count_eq(y, 1) + count_eq(y, 3) == n);
    y = tg_multinomial(tg_ones(tg, TG_SHAPE(1000)), 1000, false); (void)tg_sort(y, 0, false, &s); CHECK(tg_equal(tg_sort(y, 0, false, NULL), tg_arange(tg, 0, 1000, 1, TG_I64)));
    y = tg_multinomial(tg_ones(tg, TG_SHAPE(1000)), 100000, true); CHECK(fabs(tg_item(tg_mean(tg_to(y, TG_F64))) - 499.5) < 5 && tg_item(tg_amax(y)) == 999 && tg_item(tg_amin(y)) == 0);
    y = tg_multinomial(tg_to(p, TG_BF16), 2, false); CHECK(y && y->numel == 2);
    /* permutations: all are there; of 5 each of the 120 comes as often; of many, where one stands says nothing of what it is, nor of its neighbour */
    CHECK(tg_equal(tg_sort(tg_randperm(tg, 1000), 0, false, NULL), tg_arange(tg, 0, 1000, 1, TG_I64)));
    { int count[3125] = { 0 }, met = 0, i; double chi = 0;
      for (k = 0; k < 24000; k++) { tg_mark m = tg_begin(tg); tg_tensor *t = tg_randperm(tg, 5); const int64_t *v = (const int64_t *)t->data; int code = 0; for (i = 0; i < 5; i++) code = 5 * code + (int)v[i]; count[code]++; tg_end(tg, m); }
      for (i = 0; i < 3125; i++) if (count[i]) { met++; chi += (count[i] - 200.0) * (count[i] - 200.0) / 200; }
      CHECK_INT(met, 120); CHECK_MSG(fabs(chi_deviations(chi, 119)) < LIMIT, "the 120 permutations of 5 differ by %.1f deviations", chi_deviations(chi, 119)); }
    { enum { LONG = 1 << 16 }; int place[CELLS] = { 0 }; double chi = 0; verdict v; int i;
      const int64_t *q = (const int64_t *)tg_randperm(tg, LONG)->data;
      for (i = 0; i < LONG; i++) { place[16 * (i >> 12) + (int)(q[i] >> 12)]++; draws_u[i] = ((double)q[i] + 0.5) / LONG; }
      for (i = 0; i < CELLS; i++) chi += (place[i] - LONG / CELLS) * (place[i] - LONG / CELLS) / (double)(LONG / CELLS);
      CHECK_MSG(fabs(chi_deviations(chi, 225)) < LIMIT, "places and numbers of a permutation: %.1f deviations", chi_deviations(chi, 225));
      memset(&v, 0, sizeof v); judge_pairs(&v, draws_u, draws_u + 1, LONG / 2, 2, "neighbours of a permutation"); JUDGED(v, "randperm"); }
    CHECK(tg_randperm(tg, 0)->numel == 0);
    y = tg_normal(tg_expand(tg_from_f32(tg, TG_SHAPE(2), w + 2), TG_SHAPE(40000, 2)), tg_number(tg, 2));
    CHECK(fabs(tg_item(tg_mean(tg_select(y, 1, 0))) - 3) < 0.05 && fabs(tg_item(tg_mean(tg_select(y, 1, 1))) - 0.5) < 0.05 && fabs(tg_item(tg_std(tg_select(y, 1, 0), 1)) - 2) < 0.05);
    y = tg_normal(tg_number(tg, 1), tg_zeros(tg, TG_SHAPE(3))); CHECK(count_eq(y, 1) == 3 && y->dtype == TG_F32);
    y = tg_randint_like(tg_empty(tg, TG_SHAPE(10000), TG_BF16), 2, 5); CHECK(y->dtype == TG_BF16 && likely((double)count_eq(y, 3), 10000, 1.0 / 3) && count_eq(y, 5) == 0);
    CHECK_OK(tg);
}

/* ---- ends of ranges, refusals ---- */
#define REFUSED(code, call, text) do { CHECK(!(call)); CHECK_MSG(strstr(tg_error_text(tg), text) != NULL, "%s", tg_error_text(tg)); CHECK_ERROR(tg, code); } while (0)
static void test_ends(void) {
    static const double ranges[][2] = { { 0, 1 }, { -3, 5 }, { 100, 101 }, { 1, 1.01 }, { 0, 0.3 }, { -1, 0 }, { 3, 3 }, { 0, 60000 }, { 0, 1e-7 } };
    static const tg_dtype types[4] = { TG_F32, TG_F64, TG_F16, TG_BF16 };
    int d, r;
    tg_mark m = tg_begin(tg);
    tg_tensor *t;
    tg_seed(tg, 3);
    for (d = 0; d < 4; d++) for (r = 0; r < (int)(sizeof ranges / sizeof ranges[0]); r++) {     /* low is met, high is not, in the tensor's own type */
        const double low = tg_item(tg_full(tg, TG_SCALAR, ranges[r][0], types[d])), high = tg_item(tg_full(tg, TG_SCALAR, ranges[r][1], types[d]));
        t = tg_uniform_(tg_empty(tg, TG_SHAPE(200000), types[d]), low, high);
        CHECK_MSG(t && tg_item(tg_amin(t)) >= low && (tg_item(tg_amax(t)) < high || low == high), "uniform_ of %s in [%g, %g) gives %.9g to %.9g", tg_dtype_name(types[d]), low, high, tg_item(tg_amin(t)), tg_item(tg_amax(t)));
    }
    t = tg_ones(tg, TG_SHAPE(3));
    CHECK(tg_item(tg_sum(tg_bernoulli(tg_zeros(tg, TG_SHAPE(100000))))) == 0 && tg_item(tg_sum(tg_bernoulli(tg_ones(tg, TG_SHAPE(100000))))) == 100000);
    CHECK(tg_dropout(t, 0.25, false) == t && tg_item(tg_sum(tg_dropout(t, 1, true))) == 0 && tg_item(tg_sum(tg_dropout(t, 0, true))) == 3);
    CHECK(tg_item(tg_sum(tg_normal_(tg_empty(tg, TG_SHAPE(4), TG_F32), 2, 0))) == 8);
    t = tg_randint(tg, INT64_C(1) << 62, (INT64_C(1) << 62) + 3, TG_SHAPE(1000)); CHECK(tg_item_i64(tg_min(t)) == INT64_C(1) << 62 && tg_item_i64(tg_max(t)) == (INT64_C(1) << 62) + 2);
    t = tg_randint(tg, INT64_MAX - 1, INT64_MAX, TG_SHAPE(3)); CHECK(tg_item_i64(tg_min(t)) == INT64_MAX - 1);
    CHECK_OK(tg);
    t = tg_zeros(tg, TG_SHAPE(3));
    REFUSED(TG_ERROR_VALUE, tg_uniform_(t, 5, 1), "uniform_: high: expected at least low, got 1.0");
    REFUSED(TG_ERROR_VALUE, tg_uniform_(t, (double)NAN, 1), "uniform_: high: expected at least low");
    REFUSED(TG_ERROR_VALUE, tg_uniform_(t, 0, (double)INFINITY), "uniform_: the range from 0.0 to inf is wider than f32 reaches");
    REFUSED(TG_ERROR_VALUE, tg_uniform_(t, -3e38, 3e38), "uniform_: the range from -3e+38 to 3e+38 is wider than f32 reaches");
    REFUSED(TG_ERROR_VALUE, tg_uniform_(tg_to(t, TG_F16), 70000, 70001), "is wider than f16 reaches");
    REFUSED(TG_ERROR_VALUE, tg_rrelu(t, 0.5, 0.25, true), "rrelu: upper: expected at least lower");
    REFUSED(TG_ERROR_VALUE, tg_normal_(t, 0, -1), "normal_: std: expected at least 0, got -1.0");
    REFUSED(TG_ERROR_VALUE, tg_normal_(t, 0, (double)NAN), "normal_: std: expected at least 0");
    REFUSED(TG_ERROR_VALUE, tg_randint(tg, 3, 3, TG_SHAPE(2)), "randint: high: expected more than low");
    REFUSED(TG_ERROR_VALUE, tg_bernoulli(tg_full_like(t, (double)NAN)), "bernoulli: probability nan is not between 0 and 1");
    CHECK(tg_item(tg_sum(t)) == 0);                                    /* what was refused has written nothing */
    { const tg_random_state s = tg_random_get(tg); (void)tg_uniform_(t, 5, 1); tg_clear(tg); (void)tg_dropout(t, 2, true); tg_clear(tg); (void)tg_bernoulli(tg_full_like(t, 3)); tg_clear(tg); (void)tg_multinomial(t, 1, true); tg_clear(tg); CHECK(tg_random_get(tg).call == s.call); }      /* nor taken a call number */
    tg_end(tg, m);
}

/* A call that memory fails takes no call number: not even where its result is made and there is no room to hold it. */
static void test_no_memory(void) {
    test_heap heap = TEST_HEAP;
    for (heap.fail_at = 1; ; heap.fail_at++) {
        tg_config c = test_config(&heap);
        tg_ctx *own;
        tg_tensor *p;
        uint64_t made = 0;
        bool ok = true;
        c.no_cache = true;
        own = tg_open(&c);
        p = own ? tg_full(own, TG_SHAPE(4), 0.5, TG_F32) : NULL;
        while (p && ok && made < 300) { ok = tg_bernoulli(p) != NULL; made += ok; }
        CHECK(!p || tg_random_get(own).call == made);
        tg_close(own);
        if (!test_heap_ended(&heap)) break;
    }
}

int main(void) {
    tg = test_open();
    draws_u = (double *)malloc(MOST * sizeof *draws_u); draws_v = (double *)malloc(MOST * sizeof *draws_v);
    if (!tg || !draws_u || !draws_v) return test_end("random");
    test_judge();
    test_words();
    test_distributions();
    test_independence();
    test_bits_and_tails();
    test_same();
    test_strides();
    test_choices();
    test_ends();
    test_no_memory();
    free(draws_u); free(draws_v);
    test_close(tg);
    return test_end("random");
}
