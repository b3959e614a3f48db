/* run.sh flags: -Wl,--no-as-needed -lm */
/* Tensors: conversions bit for bit, promotion, broadcasting, views against plain index arithmetic, slices as text, sizes of nothing, printing as torch prints. */
#include "test.h"
#include <math.h>

static tg_ctx *tg;
#define TEST_INF ((float)INFINITY)
#define TEST_NAN ((float)NAN)
static tg_tensor *from_f32(int64_t n, const float *v) { return tg_from_f32(tg, 1, &n, v); }
#define F32(...) from_f32((int64_t)(sizeof (float[]){ __VA_ARGS__ } / sizeof(float)), (const float[]){ __VA_ARGS__ })
static double el(tg_tensor *t, int64_t i) {
    int64_t index[TG_MAX_DIMS], d;
    for (d = t->ndim - 1; d >= 0; d--) { index[d] = i % t->shape[d]; i /= t->shape[d]; }
    return tg_get(t, index);
}
static uint32_t bits_of(float f) { uint32_t u; memcpy(&u, &f, 4); return u; }
static float float_of(uint32_t u) { float f; memcpy(&f, &u, 4); return f; }

/* ---- f16 and bf16: what the formats say, computed another way ---- */
static double f16_value(unsigned h) {
    int e = (int)(h >> 10 & 31), m = (int)(h & 1023);
    double v = e == 31 ? (m ? (double)NAN : (double)INFINITY) : e ? ldexp(1024 + m, e - 25) : ldexp(m, -24);
    return h & 0x8000 ? -v : v;
}
static void test_half(void) {
    unsigned h;
    long bad = 0, bad_bulk = 0;
    tg_mark mark = tg_begin(tg);
    tg_tensor *halves = tg_empty(tg, TG_SHAPE(65536), TG_F16), *brains = tg_empty(tg, TG_SHAPE(65536), TG_BF16), *w, *b;
    for (h = 0; h < 65536; h++) {                                      /* every pattern to f32 and back */
        float f = tg_f32_from_f16((uint16_t)h), g = tg_f32_from_bf16((uint16_t)h);
        double want = f16_value(h);
        if (want != want ? f == f : !((double)f == want && (signbit(f) != 0) == ((h >> 15) != 0))) bad++;
        if (want == want ? tg_f16_from_f32(f) != h : (tg_f16_from_f32(f) & 0x7c00) != 0x7c00 || !(tg_f16_from_f32(f) & 0x3ff)) bad++;
        if (g == g ? bits_of(g) != h << 16 || tg_bf16_from_f32(g) != h : (h & 0x7f80) != 0x7f80 || !(h & 0x7f)) bad++;
        if (g != g && ((tg_bf16_from_f32(g) & 0x7f80) != 0x7f80 || !(tg_bf16_from_f32(g) & 0x7f))) bad++;
        ((uint16_t *)halves->data)[h] = ((uint16_t *)brains->data)[h] = (uint16_t)h;
    }
    CHECK_INT(bad, 0);
    w = tg_to(halves, TG_F32); b = tg_to(brains, TG_F32);
    for (h = 0; h < 65536; h++) {
        float f = ((float *)w->data)[h], g = ((float *)b->data)[h];
        if (f == f ? bits_of(f) != bits_of(tg_f32_from_f16((uint16_t)h)) : f16_value(h) == f16_value(h)) bad_bulk++;
        if (g == g ? bits_of(g) != bits_of(tg_f32_from_bf16((uint16_t)h)) : (h & 0x7f80) != 0x7f80) bad_bulk++;
    }
    CHECK_INT(bad_bulk, 0);
    /* between neighbours: just below the middle, the middle (to even), just above; in bulk and singly, side by side and strided */
    {
        int pass;
        for (pass = 0; pass < 2; pass++) {
            tg_dtype d = pass ? TG_BF16 : TG_F16;
            unsigned last = pass ? 0x7f7f : 0x7bff, n = 0, i;
            float *v = (float *)malloc(sizeof(float) * 8 * 65536);
            uint16_t *want = (uint16_t *)malloc(2 * 8 * 65536);
            long wrong = 0;
            tg_tensor *t, *one, *two;
            for (h = 0; h < last; h++) {
                double low = pass ? float_of(h << 16) : f16_value(h), high = pass ? float_of((h + 1) << 16) : f16_value(h + 1);
                float middle = (float)((low + high) / 2);              /* exact */
                int s;
                for (s = 0; s < 2; s++) {
                    float sign = s ? -1.0f : 1.0f;
                    unsigned mask = s ? 0x8000u : 0;
                    v[n] = sign * middle; want[n++] = (uint16_t)(mask | (h & 1 ? h + 1 : h));
                    v[n] = sign * nextafterf(middle, 0); want[n++] = (uint16_t)(mask | h);
                    v[n] = sign * nextafterf(middle, TEST_INF); want[n++] = (uint16_t)(mask | (h + 1));
                }
            }
            v[n] = pass ? float_of(0x7f7f7fffu) : 65519.996f; want[n++] = (uint16_t)last;
            v[n] = pass ? float_of(0x7f7f8000u) : 65520.0f; want[n++] = pass ? 0x7f80 : 0x7c00;
            v[n] = 3.4e38f; want[n++] = pass ? tg_bf16_from_f32(3.4e38f) : 0x7c00;
            v[n] = -TEST_INF; want[n++] = pass ? 0xff80 : 0xfc00;
            for (i = 0; i < n; i++) if ((pass ? tg_bf16_from_f32(v[i]) : tg_f16_from_f32(v[i])) != want[i]) wrong++;
            CHECK_MSG(wrong == 0, "%ld roundings to %s are wrong", wrong, tg_dtype_name(d));
            t = tg_from_f32(tg, TG_SHAPE((int64_t)n), v);
            one = tg_to(t, d); two = tg_to(tg_slice(t, "::-1"), d);
            for (i = 0, wrong = 0; i < n; i++) { if (((uint16_t *)one->data)[i] != want[i]) wrong++; if (((uint16_t *)two->data)[n - 1 - i] != want[i] && two->stride[0] == 1) wrong++; }
            CHECK_MSG(wrong == 0, "%ld roundings to %s in bulk are wrong", wrong, tg_dtype_name(d));
            { tg_tensor *room = tg_zeros(tg, TG_SHAPE((int64_t)n, 2)), *column = tg_select(tg_to(room, d), 1, 1); CHECK(tg_copy_(column, t)); for (i = 0, wrong = 0; i < n; i++) if (((uint16_t *)column->data)[2 * i] != want[i]) wrong++;
              CHECK_MSG(wrong == 0, "%ld roundings to strided %s are wrong", wrong, tg_dtype_name(d)); }
            free(v); free(want);
        }
    }
    tg_end(tg, mark);
    CHECK_OK(tg);
}

/* ---- all pairs of types ---- */
static void test_casts(void) {
    int a, b, i;
    static const double numbers[] = { 0, 1, 2, 3, 17, 100, 127 };
    tg_mark mark = tg_begin(tg);
    for (a = 0; a < TG_DTYPES; a++) for (b = 0; b < TG_DTYPES; b++) for (i = 0; i < 7; i++) {
        tg_tensor *x = tg_full(tg, TG_SHAPE(5), numbers[i], (tg_dtype)a), *y = tg_to(x, (tg_dtype)b);
        double want = a == TG_BOOL || b == TG_BOOL ? numbers[i] != 0 : numbers[i];
        CHECK_MSG(y && y->dtype == (tg_dtype)b && tg_item(tg_select(y, 0, 3)) == want, "%s %g to %s", tg_dtype_name((tg_dtype)a), numbers[i], tg_dtype_name((tg_dtype)b));
        CHECK((y == x) == (a == b));
    }
    { tg_tensor *x = F32(1.9f, -1.9f, 0.5f, -0.5f, 300.7f), *y = tg_to(x, TG_I32); CHECK(el(y, 0) == 1 && el(y, 1) == -1 && el(y, 2) == 0 && el(y, 3) == 0 && el(y, 4) == 300); }
    { int64_t big[4] = { 300, -129, INT64_C(1) << 40, -1 }; tg_tensor *x = tg_from(tg, TG_SHAPE(4), TG_I64, big), *y = tg_to(x, TG_I8), *z = tg_to(x, TG_U8), *w = tg_to(x, TG_I32);
      CHECK(el(y, 0) == 44 && el(y, 1) == 127 && el(y, 2) == 0 && el(y, 3) == -1); CHECK(el(z, 0) == 44 && el(z, 1) == 127 && el(z, 3) == 255); CHECK(el(w, 2) == 0 && el(w, 1) == -129); }
    { int64_t big[2] = { INT64_MAX, (INT64_C(1) << 53) + 1 }; tg_tensor *x = tg_from(tg, TG_SHAPE(2), TG_I64, big); CHECK(tg_item_i64(tg_select(x, 0, 0)) == INT64_MAX && tg_item_i64(tg_select(x, 0, 1)) == big[1]);
      CHECK(tg_item_i64(tg_select(tg_add(x, tg_integer(tg, 0)), 0, 1)) == big[1]); CHECK(tg_equal(x, tg_clone(x)) && !tg_equal(x, tg_sub(x, tg_integer(tg, 1)))); }
    { tg_tensor *x = F32(TEST_NAN, 0.0f, -0.0f, 1e-45f, TEST_INF), *y = tg_to(x, TG_BOOL); CHECK(el(y, 0) == 1 && el(y, 1) == 0 && el(y, 2) == 0 && el(y, 3) == 1 && el(y, 4) == 1); }
    { double v[3] = { 1e-320, 0.1, 1e300 }; tg_tensor *x = tg_from(tg, TG_SHAPE(3), TG_F64, v), *y = tg_to(x, TG_F32); CHECK(el(x, 0) == 1e-320 && el(y, 0) == 0 && (float)el(y, 1) == 0.1f && el(y, 2) == (double)INFINITY); }
    CHECK(tg_dtype_size((tg_dtype)99) == 0 && !strcmp(tg_dtype_name((tg_dtype)99), "?") && !strcmp(tg_dtype_name(TG_BF16), "bf16") && tg_dtype_size(TG_BOOL) == 1 && tg_dtype_size(TG_I16) == 2);
    CHECK(tg_dtype_is_float(TG_BF16) && !tg_dtype_is_float(TG_I64) && !tg_dtype_is_float(TG_BOOL));
    tg_end(tg, mark);
    CHECK_OK(tg);
}

/* ---- promotion: torch.promote_types and torch.result_type, taken from torch ---- */
static const char *const promote[TG_DTYPES] = { "0100000000", "1111111111", "0120222222", "0103333333", "0123444444", "0123455555", "0123456666", "0123456767", "0123456688", "0123456789" };
static const char *const with_scalar[TG_DTYPES] = { "0000000000", "1111111111", "2222222222", "3333333333", "0123444444", "0123555555", "0123666666", "0123777777", "0123888888", "0123456789" };
static void test_promotion(void) {
    static const char *const with_float = "0123000000", *const with_int = "0123456784", *const sums = "0123444444", *const exps = "0123000000";
    int a, b;
    tg_mark mark = tg_begin(tg);
    for (a = 0; a < TG_DTYPES; a++) {
        tg_tensor *x = tg_full(tg, TG_SHAPE(2), 1, (tg_dtype)a), *x0 = tg_full(tg, TG_SCALAR, 1, (tg_dtype)a), *y;
        for (b = 0; b < TG_DTYPES; b++) {
            tg_tensor *z = tg_full(tg, TG_SHAPE(3, 1), 1, (tg_dtype)b), *z0 = tg_full(tg, TG_SCALAR, 1, (tg_dtype)b), *list[2];
            int want = promote[a][b] - '0', scalar = with_scalar[a][b] - '0';
            CHECK_INT(tg_dtype_promote((tg_dtype)a, (tg_dtype)b), want);
            y = tg_add(x, z); CHECK_MSG(y && (int)y->dtype == want && el(y, 0) == (want == TG_BOOL ? 1 : 2), "%s + %s", tg_dtype_name((tg_dtype)a), tg_dtype_name((tg_dtype)b));
            y = tg_add(x0, z0); CHECK_MSG(y && (int)y->dtype == want, "0-d %s + 0-d %s", tg_dtype_name((tg_dtype)a), tg_dtype_name((tg_dtype)b));
            y = tg_add(x, z0); CHECK_MSG(y && (int)y->dtype == scalar, "%s + 0-d %s is %s", tg_dtype_name((tg_dtype)a), tg_dtype_name((tg_dtype)b), y ? tg_dtype_name(y->dtype) : "");
            y = tg_mul(z0, x); CHECK_MSG(y && (int)y->dtype == scalar, "0-d %s * %s", tg_dtype_name((tg_dtype)b), tg_dtype_name((tg_dtype)a));
            y = tg_where(tg_full(tg, TG_SHAPE(2), 1, TG_BOOL), x, z); CHECK_MSG(y && (int)y->dtype == want, "where %s %s", tg_dtype_name((tg_dtype)a), tg_dtype_name((tg_dtype)b));
            list[0] = x; list[1] = tg_flatten(z, 0, 1); y = tg_cat(list, 2, 0); CHECK_MSG(y && (int)y->dtype == want, "cat %s %s", tg_dtype_name((tg_dtype)a), tg_dtype_name((tg_dtype)b));
            y = tg_eq(x, z); CHECK(y && y->dtype == TG_BOOL && el(y, 0) == 1);
            y = tg_div(x, z); CHECK_MSG(y && (int)y->dtype == (want < 4 ? want : 0), "%s / %s", tg_dtype_name((tg_dtype)a), tg_dtype_name((tg_dtype)b));
        }
        y = tg_add(x, tg_number(tg, 1.5)); CHECK_MSG(y && (int)y->dtype == with_float[a] - '0', "%s + 1.5 is %s", tg_dtype_name((tg_dtype)a), y ? tg_dtype_name(y->dtype) : "");
        y = tg_add(tg_number(tg, 1.5), x0); CHECK_MSG(y && (int)y->dtype == with_float[a] - '0', "1.5 + 0-d %s is %s", tg_dtype_name((tg_dtype)a), y ? tg_dtype_name(y->dtype) : "");
        y = tg_add(x, tg_integer(tg, 1)); CHECK_MSG(y && (int)y->dtype == with_int[a] - '0', "%s + 1 is %s", tg_dtype_name((tg_dtype)a), y ? tg_dtype_name(y->dtype) : "");
        y = tg_add(x0, tg_integer(tg, 1)); CHECK_MSG(y && (int)y->dtype == with_int[a] - '0', "0-d %s + 1 is %s", tg_dtype_name((tg_dtype)a), y ? tg_dtype_name(y->dtype) : "");
        y = tg_sum(x); CHECK_MSG(y && (int)y->dtype == sums[a] - '0', "sum of %s", tg_dtype_name((tg_dtype)a));
        y = tg_exp(x); CHECK_MSG(y && (int)y->dtype == exps[a] - '0', "exp of %s", tg_dtype_name((tg_dtype)a));
        if (tg_failed(tg)) { CHECK_OK(tg); tg_clear(tg); }
    }
    tg_end(tg, mark);
    CHECK_OK(tg);
}

/* ---- broadcasting against plain loops ---- */
static void test_broadcast(void) {
    int round;
    for (round = 0; round < 300; round++) {
        tg_mark mark = tg_begin(tg);
        int64_t full[4], as[4], bs[4], want[4], i, numel = 1;
        int nd = 1 + (int)(test_random() % 4), an = (int)(test_random() % (unsigned)(nd + 1)), bn = nd, d;
        tg_tensor *a, *b, *y;
        for (d = 0; d < nd; d++) { full[d] = test_random() % 8 == 0 ? 0 : 1 + test_random() % 4; bs[d] = full[d]; }
        for (d = 0; d < an; d++) { as[d] = full[nd - an + d]; if (test_random() % 3 == 0) as[d] = 1; else if (test_random() % 3 == 0) bs[nd - an + d] = 1; }
        for (d = 0; d < nd; d++) { int64_t x = d >= nd - an ? as[d - (nd - an)] : 1; want[d] = bs[d] == 1 ? x : bs[d]; numel *= want[d]; }
        a = tg_rand(tg, an, as); b = tg_rand(tg, bn, bs);
        if (round % 3 == 1 && an > 1) { int64_t p[4]; for (d = 0; d < an; d++) p[d] = as[an - 1 - d]; a = tg_rand(tg, an, p); for (d = 0; d < an; d++) p[d] = an - 1 - d; a = tg_permute(a, an, p); }
        y = round % 2 ? tg_sub(a, b) : tg_neg(tg_sub(b, a));
        if (!CHECK(y && y->ndim == nd)) { CHECK_OK(tg); tg_clear(tg); tg_end(tg, mark); continue; }
        for (d = 0; d < nd; d++) CHECK_INT(y->shape[d], want[d]);
        for (i = 0; i < numel; i++) {
            int64_t rest = i, at[4], ia[4], ib[4];
            for (d = nd - 1; d >= 0; d--) { at[d] = rest % want[d]; rest /= want[d]; }
            for (d = 0; d < nd; d++) ib[d] = bs[d] == 1 ? 0 : at[d];
            for (d = 0; d < an; d++) ia[d] = as[d] == 1 ? 0 : at[nd - an + d];
            if (!CHECK((float)tg_get(a, ia) - (float)tg_get(b, ib) == (float)tg_get(y, at))) break;
        }
        tg_end(tg, mark);
    }
    CHECK_OK(tg);
}

/* ---- views: a tensor of row-major numbers goes through random views; beside it plain arrays ---- */
typedef struct model { int ndim; int64_t shape[TG_MAX_DIMS]; int64_t numel; int64_t *v; } model;
static int64_t model_at(const model *m, const int64_t *at) { int64_t o = 0; int d; for (d = 0; d < m->ndim; d++) o = o * m->shape[d] + at[d]; return m->v[o]; }
/* a new model whose element `at` is the old one's at from(at) */
static void model_map(model *m, int ndim, const int64_t *shape, void (*from)(const int64_t *at, int64_t *old, const int64_t *arg), const int64_t *arg) {
    model n;
    int64_t i, at[TG_MAX_DIMS], old[TG_MAX_DIMS];
    int d;
    n.ndim = ndim; n.numel = 1;
    for (d = 0; d < ndim; d++) { n.shape[d] = shape[d]; n.numel *= shape[d]; }
    n.v = (int64_t *)malloc(sizeof(int64_t) * (size_t)(n.numel + 1));
    for (i = 0; i < n.numel; i++) {
        int64_t rest = i;
        for (d = ndim - 1; d >= 0; d--) { at[d] = rest % shape[d]; rest /= shape[d]; }
        from(at, old, arg);
        n.v[i] = model_at(m, old);
    }
    free(m->v);
    *m = n;
}
static void from_permute(const int64_t *at, int64_t *old, const int64_t *arg) { int d; for (d = 0; d < arg[8]; d++) old[arg[d]] = at[d]; }
static void from_slice(const int64_t *at, int64_t *old, const int64_t *arg) { int d; for (d = 0; d < arg[3]; d++) old[d] = d == arg[0] ? arg[1] + at[d] * arg[2] : at[d]; }
static void from_select(const int64_t *at, int64_t *old, const int64_t *arg) { int d; for (d = 0; d < arg[2]; d++) old[d] = d < arg[0] ? at[d] : d == arg[0] ? arg[1] : at[d - 1]; }
static void from_expand(const int64_t *at, int64_t *old, const int64_t *arg) { int d; for (d = 0; d < arg[8]; d++) old[d] = arg[d] == 1 ? 0 : at[d + 1]; }
static void test_views(void) {
    int round, steps;
    for (round = 0; round < 400; round++) {
        tg_mark mark = tg_begin(tg);
        model m;
        int64_t i, shape[TG_MAX_DIMS], arg[9], s, *got;
        tg_tensor *t;
        int d;
        m.ndim = 1 + (int)(test_random() % 4); m.numel = 1;
        for (d = 0; d < m.ndim; d++) { m.shape[d] = test_random() % 12 == 0 ? 0 : 1 + test_random() % 5; m.numel *= m.shape[d]; }
        m.v = (int64_t *)malloc(sizeof(int64_t) * (size_t)(m.numel + 1));
        for (i = 0; i < m.numel; i++) m.v[i] = i;
        t = tg_view(tg_arange(tg, 0, (double)m.numel, 1, TG_I64), m.ndim, m.shape);
        for (steps = 0; t && steps < 6; steps++) {
            bool dense = true;
            unsigned kind = test_random() % 9;
            if (m.ndim == 0 && kind != 5 && kind != 6 && kind != 7) kind = 5;
            if (kind == 0) { for (d = 0; d < m.ndim; d++) arg[d] = d; for (d = m.ndim - 1; d > 0; d--) { int e = (int)(test_random() % (unsigned)(d + 1)); s = arg[d]; arg[d] = arg[e]; arg[e] = s; }
                arg[8] = m.ndim; for (d = 0; d < m.ndim; d++) shape[d] = m.shape[arg[d]]; t = tg_permute(t, m.ndim, arg); model_map(&m, m.ndim, shape, from_permute, arg); }
            else if (kind == 1 || kind == 2) {                         /* Python's slice */
                int64_t dim = test_random() % (unsigned)m.ndim, n = m.shape[dim], start = (int64_t)(test_random() % 15) - 7, end = (int64_t)(test_random() % 15) - 7, step = (int64_t)(test_random() % 3) + 1, count = 0, first = 0;
                if (test_random() % 2) step = -step;
                t = tg_slice_dim(t, test_random() % 2 ? dim : dim - m.ndim, start, end, step);
                { int64_t a = start < 0 ? start + n : start, b = end < 0 ? end + n : end, p;
                  if (step > 0) { if (a < 0) a = 0; if (b > n) b = n; for (p = a; p < b; p += step) { if (!count) first = p; count++; } }
                  else { if (a > n - 1) a = n - 1; if (b < -1) b = -1; for (p = a; p > b && p >= 0; p += step) { if (!count) first = p; count++; } } }
                for (d = 0; d < m.ndim; d++) shape[d] = m.shape[d];
                shape[dim] = count; arg[0] = dim; arg[1] = first; arg[2] = step; arg[3] = m.ndim; model_map(&m, m.ndim, shape, from_slice, arg); }
            else if (kind == 3) { int64_t dim = test_random() % (unsigned)m.ndim, k; if (m.shape[dim] == 0) continue; k = test_random() % (unsigned)m.shape[dim];
                t = tg_select(t, dim, test_random() % 2 ? k : k - m.shape[dim]); for (d = 0, i = 0; d < m.ndim; d++) if (d != dim) shape[i++] = m.shape[d]; arg[0] = dim; arg[1] = k; arg[2] = m.ndim; model_map(&m, m.ndim - 1, shape, from_select, arg); }
            else if (kind == 4) { int64_t dim = test_random() % (unsigned)m.ndim, start = test_random() % (unsigned)(m.shape[dim] + 1), length = test_random() % (unsigned)(m.shape[dim] - start + 1);
                t = tg_narrow(t, dim, start, length); for (d = 0; d < m.ndim; d++) shape[d] = m.shape[d]; shape[dim] = length; arg[0] = dim; arg[1] = start; arg[2] = 1; arg[3] = m.ndim; model_map(&m, m.ndim, shape, from_slice, arg); }
            else if (kind == 5) { int64_t dim = test_random() % (unsigned)(m.ndim + 1); if (m.ndim > 5) continue; t = tg_unsqueeze(t, dim); for (d = m.ndim; d > dim; d--) m.shape[d] = m.shape[d - 1]; m.shape[dim] = 1; m.ndim++; }
            else if (kind == 6) { if (m.ndim > 5) continue; shape[0] = 1 + test_random() % 3; for (d = 0; d < m.ndim; d++) { arg[d] = m.shape[d]; shape[d + 1] = m.shape[d] == 1 ? 1 + (int64_t)(test_random() % 3) : m.shape[d]; }
                arg[8] = m.ndim; t = tg_expand(t, m.ndim + 1, shape); model_map(&m, m.ndim + 1, shape, from_expand, arg); }
            else if (kind == 7) { int64_t f = m.ndim ? test_random() % (unsigned)m.ndim : 0, l = m.ndim ? f + test_random() % (unsigned)(m.ndim - f) : 0; t = tg_flatten(t, f, l);
                if (m.ndim == 0) { m.ndim = 1; m.shape[0] = 1; } else { for (i = f + 1; i <= l; i++) m.shape[f] *= m.shape[i]; for (i = l + 1; i < m.ndim; i++) m.shape[f + 1 + i - (l + 1)] = m.shape[i]; m.ndim -= (int)(l - f); } }
            else { t = tg_reshape(t, TG_SHAPE(m.numel ? -1 : 0)); m.ndim = 1; m.shape[0] = m.numel; }
            if (!CHECK_MSG(t != NULL, "round %d, kind %u: %s", round, kind, tg_error_text(tg))) break;
            if (!CHECK_MSG(t->ndim == m.ndim && t->numel == m.numel, "round %d, kind %u: %d dims, %d elements", round, kind, (int)t->ndim, (int)t->numel)) break;
            for (d = 0; d < m.ndim; d++) CHECK_INT(t->shape[d], m.shape[d]);
            got = (int64_t *)malloc(sizeof(int64_t) * (size_t)(m.numel + 1));
            CHECK(tg_read(t, got, (size_t)m.numel * 8));
            CHECK_MSG(!memcmp(got, m.v, (size_t)m.numel * 8), "round %d, kind %u: values differ", round, kind);
            free(got);
            for (d = m.ndim - 1, s = 1; d >= 0; d--) { if (m.shape[d] != 1 && t->stride[d] != s) dense = false; s *= m.shape[d]; }
            CHECK(tg_is_contiguous(t) == (dense || m.numel == 0));
            { tg_tensor *c = tg_contiguous(t); CHECK(c && tg_is_contiguous(c) && (c == t) == tg_is_contiguous(t) && tg_equal(c, t)); c = tg_clone(t); CHECK(c && (c->data != t->data || m.numel == 0)); CHECK(tg_equal(c, t)); CHECK(tg_equal(tg_add(t, t), tg_mul(t, tg_integer(tg, 2)))); }
        }
        if (tg_failed(tg)) { CHECK_OK(tg); tg_clear(tg); }
        free(m.v);
        tg_end(tg, mark);
    }
}

/* ---- slices as text: numpy's answers for arange(60).reshape(3, 4, 5) ---- */
static void slice_case(const char *text, const char *shape, const char *values, int line) {
    tg_mark mark = tg_begin(tg);
    tg_tensor *t = tg_slice(tg_reshape(tg_arange(tg, 0, 60, 1, TG_I64), TG_SHAPE(3, 4, 5)), text);
    char s[64] = "", v[512] = "";
    int64_t i;
    int d;
    if (!t) { test_check(0, __FILE__, line, "\"%s\": %s", text, tg_error_text(tg)); tg_clear(tg); tg_end(tg, mark); return; }
    for (d = 0; d < t->ndim; d++) snprintf(s + strlen(s), sizeof s - strlen(s), "%s%d", d ? " " : "", (int)t->shape[d]);
    for (i = 0; i < t->numel; i++) snprintf(v + strlen(v), sizeof v - strlen(v), "%s%d", i ? " " : "", (int)el(t, i));
    test_check(!strcmp(s, shape), __FILE__, line, "\"%s\" has shape %s instead of %s", text, s, shape);
    test_check(!strcmp(v, values), __FILE__, line, "\"%s\": %s instead of %s", text, v, values);
    tg_end(tg, mark);
}
#define SLICE(text, shape, values) slice_case(text, shape, values, __LINE__)
static void test_slices(void) {
    static const char *const bad[] = { "a", "1:2:3:4", ",", "1,,2", "1.5", "::0", "..., ...", "--1", "1 2", "None None", "99999999999999999999", "-99999999999999999999:", ":::", "-", "+", "1:a", "....", "..", ".", "none", "[0]", "0]", "(1)",
        "1,2,3,4", ":,:,:,:", "3", "-4", "0,4", "0,0,-6", "None,None,None,None,None,None", "None,None,None,None,None,None,None,None,None,None,None,None,None,None,None,None,None,None,None,None", "0x1", "1e1", "1;2", "\t1", "1,\n2", "...1", "None1", "1None", "1...", ":,", "0, , 1", "\xff", "1\xc2\xa0" };
    size_t i;
    SLICE("1", "4 5", "20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39");
    SLICE("-1", "4 5", "40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59");
    SLICE("0,1", "5", "5 6 7 8 9");
    SLICE("0,1,2", "", "7");
    SLICE("-3,-4,-5", "", "0");
    SLICE(":", "3 4 5", "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59");
    SLICE("...", "3 4 5", "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59");
    SLICE(":,1", "3 5", "5 6 7 8 9 25 26 27 28 29 45 46 47 48 49");
    SLICE("...,0", "3 4", "0 5 10 15 20 25 30 35 40 45 50 55");
    SLICE("... , -1", "3 4", "4 9 14 19 24 29 34 39 44 49 54 59");
    SLICE("0,...", "4 5", "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19");
    SLICE("1,...,2", "4", "22 27 32 37");
    SLICE("None", "1 3 4 5", "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59");
    SLICE("None,0", "1 4 5", "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19");
    SLICE("0,None,1", "1 5", "5 6 7 8 9");
    SLICE(":,None,...", "3 1 4 5", "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59");
    SLICE("...,None", "3 4 5 1", "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59");
    SLICE("None,...,None", "1 3 4 5 1", "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59");
    SLICE("1:", "2 4 5", "20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59");
    SLICE("1:3", "2 4 5", "20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59");
    SLICE(":2", "2 4 5", "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39");
    SLICE(":-1", "2 4 5", "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39");
    SLICE("-2:", "2 4 5", "20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59");
    SLICE("::2", "2 4 5", "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59");
    SLICE("::-1", "3 4 5", "40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19");
    SLICE("2::-1", "3 4 5", "40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19");
    SLICE(":0:-1", "2 4 5", "40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39");
    SLICE("-1:-10:-1", "3 4 5", "40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19");
    SLICE("5:", "0 4 5", "");
    SLICE("-100:100", "3 4 5", "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59");
    SLICE("100:-100:-1", "3 4 5", "40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19");
    SLICE("1:1", "0 4 5", "");
    SLICE("2:1", "0 4 5", "");
    SLICE(":, ::3", "3 2 5", "0 1 2 3 4 15 16 17 18 19 20 21 22 23 24 35 36 37 38 39 40 41 42 43 44 55 56 57 58 59");
    SLICE("::2,::2,::2", "2 2 3", "0 2 4 10 12 14 40 42 44 50 52 54");
    SLICE("::-2, 1:3, ::-1", "2 2 5", "49 48 47 46 45 54 53 52 51 50 9 8 7 6 5 14 13 12 11 10");
    SLICE("0:1,0:1,0:1", "1 1 1", "0");
    SLICE(" 1 , 2 ", "5", "30 31 32 33 34");
    SLICE("1,", "4 5", "20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39");
    SLICE("+1", "4 5", "20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39");
    SLICE("::1", "3 4 5", "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59");
    SLICE("0::5", "1 4 5", "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19");
    SLICE("3:3:1", "0 4 5", "");
    SLICE(":,:,:", "3 4 5", "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59");
    SLICE("...,1:4:2", "3 4 2", "1 3 6 8 11 13 16 18 21 23 26 28 31 33 36 38 41 43 46 48 51 53 56 58");
    SLICE(":,-1,::-3", "3 2", "19 16 39 36 59 56");
    SLICE("1:2:3,None,None,3", "1 1 1 5", "35 36 37 38 39");
    SLICE("::9223372036854775807", "1 4 5", "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19");
    SLICE("::-9223372036854775807", "1 4 5", "40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59");
    SLICE("9223372036854775807:", "0 4 5", "");
    SLICE("-9223372036854775807:", "3 4 5", "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59");
    SLICE(":9223372036854775807:2", "2 4 5", "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59");
    SLICE("2:-9223372036854775807:-1", "3 4 5", "40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19");
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        tg_mark mark = tg_begin(tg);
        tg_tensor *t = tg_slice(tg_reshape(tg_arange(tg, 0, 60, 1, TG_I64), TG_SHAPE(3, 4, 5)), bad[i]);
        bool trailing = !strcmp(bad[i], ":,");                         /* Python allows the comma after the last index */
        CHECK_MSG((t != NULL) == trailing, "\"%s\" was %s", bad[i], t ? "read" : "refused");
        if (!t) CHECK_MSG(tg_error(tg) == TG_ERROR_VALUE || tg_error(tg) == TG_ERROR_SHAPE, "\"%s\": %s", bad[i], tg_error_text(tg));
        tg_clear(tg);
        tg_end(tg, mark);
    }
    {   /* noise never crashes, and what is read has a sane shape */
        static const char letters[] = "0123456789-+:,. None";
        int round, n, k, ok = 0;
        for (round = 0; round < 20000; round++) {
            char text[16];
            tg_mark mark = tg_begin(tg);
            tg_tensor *t;
            n = (int)(test_random() % 12);
            for (k = 0; k < n; k++) text[k] = letters[test_random() % (sizeof letters - 1)];
            text[n] = 0;
            t = tg_slice(tg_zeros(tg, TG_SHAPE(3, 4)), text);
            if (t) { ok++; if (!(t->numel >= 0 && t->numel <= 12)) CHECK_MSG(0, "\"%s\" gives %d elements", text, (int)t->numel); if (t->numel) (void)tg_item(tg_sum(t)); }
            tg_clear(tg);
            tg_end(tg, mark);
        }
        CHECK(ok > 100);
    }
    {   /* as_strided: what fits and what does not */
        tg_mark mark = tg_begin(tg);
        tg_tensor *x = tg_arange(tg, 0, 10, 1, TG_I64), *y = tg_slice(x, "2:6"), *z;
        int64_t a[2], s[2];
        a[0] = 2; a[1] = 3; s[0] = 4; s[1] = 2;
        z = tg_as_strided(x, 2, a, s, 1); CHECK(z && el(z, 0) == 1 && el(z, 5) == 9);
        CHECK(!tg_as_strided(x, 2, a, s, 2)); CHECK_ERROR(tg, TG_ERROR_VALUE);
        z = tg_as_strided(y, 2, a, s, -1); CHECK(z && el(z, 0) == 1 && el(z, 5) == 9);      /* from y's first element, within the storage */
        CHECK(!tg_as_strided(y, 2, a, s, -3)); CHECK_ERROR(tg, TG_ERROR_VALUE);
        {   /* strides that reach nothing may be anything */
            const int64_t one[] = { 1, 1 }, none[] = { 2, 2, 0 }, least[] = { INT64_MIN, INT64_MAX }, wide[] = { 4, (int64_t)1 << 62, 1 };
            z = tg_as_strided(x, 2, one, least, 0); CHECK(z && tg_item(tg_sum(z)) == el(x, 0) && tg_item(tg_clone(z)) == el(x, 0) && tg_item(tg_exp(z)) > 0);
            z = tg_as_strided(x, 3, none, wide, 0); CHECK(z && tg_clone(z) && tg_exp(z) && tg_item(tg_sum(z)) == 0);
        }
        CHECK(!tg_as_strided(x, 2, a, s, -1)); CHECK_ERROR(tg, TG_ERROR_VALUE);
        s[0] = -4; z = tg_as_strided(x, 2, a, s, 5); CHECK(z && el(z, 0) == 5 && el(z, 3) == 1 && el(z, 2) == 9); CHECK(!tg_as_strided(x, 2, a, s, 3)); CHECK_ERROR(tg, TG_ERROR_VALUE);
        s[0] = INT64_MAX; CHECK(!tg_as_strided(x, 2, a, s, 0)); CHECK_ERROR(tg, TG_ERROR_VALUE); s[0] = INT64_MIN; CHECK(!tg_as_strided(x, 2, a, s, 0)); CHECK_ERROR(tg, TG_ERROR_VALUE);
        a[0] = INT64_MAX; s[0] = 0; CHECK(!tg_as_strided(x, 2, a, s, 0)); CHECK_ERROR(tg, TG_ERROR_VALUE);
        a[0] = 0; s[0] = 1000; z = tg_as_strided(x, 2, a, s, 0); CHECK(z && z->numel == 0); z = tg_as_strided(x, 0, a, s, 9); CHECK(z && z->ndim == 0 && tg_item_i64(z) == 9); CHECK(!tg_as_strided(x, 0, a, s, 10)); CHECK_ERROR(tg, TG_ERROR_VALUE);
        CHECK(!tg_as_strided(x, 0, a, s, INT64_MAX)); CHECK_ERROR(tg, TG_ERROR_VALUE); CHECK(!tg_as_strided(x, 0, a, s, INT64_MIN)); CHECK_ERROR(tg, TG_ERROR_VALUE);
        a[0] = 1; a[1] = 3; s[0] = INT64_MAX; s[1] = 1; CHECK(tg_as_strided(x, 2, a, s, 7) != NULL); CHECK_OK(tg); tg_clear(tg);
        a[0] = -1; CHECK(!tg_as_strided(x, 2, a, s, 0)); CHECK_ERROR(tg, TG_ERROR_VALUE);
        tg_end(tg, mark);
    }
}

/* ---- nothing, and single numbers ---- */
static void shape_is(tg_tensor *t, int line, int ndim, const int64_t *shape) {
    int d;
    if (!test_check(t != NULL, __FILE__, line, "%s", tg_error_text(tg))) { tg_clear(tg); return; }
    test_check(t->ndim == ndim, __FILE__, line, "%d dimensions instead of %d", (int)t->ndim, ndim);
    for (d = 0; d < ndim && d < t->ndim; d++) test_check(t->shape[d] == shape[d], __FILE__, line, "size %d in dimension %d, expected %d", (int)t->shape[d], d, (int)shape[d]);
}
#define SHAPE_IS(t, ...) shape_is(t, __LINE__, TG_SHAPE(__VA_ARGS__))
#define SCALAR_IS(t) shape_is(t, __LINE__, 0, NULL)
static void test_nothing(void) {
    tg_mark mark = tg_begin(tg);
    tg_tensor *e = tg_zeros(tg, TG_SHAPE(0, 3)), *n = tg_full(tg, TG_SCALAR, 4, TG_F32), *i = tg_full(tg, TG_SHAPE(0), 0, TG_I64), *list[2], *x, *y;
    SHAPE_IS(tg_add(e, e), 0, 3); SHAPE_IS(tg_exp(e), 0, 3); SHAPE_IS(tg_add(e, n), 0, 3); SHAPE_IS(tg_add(e, tg_ones(tg, TG_SHAPE(1, 3))), 0, 3); SHAPE_IS(tg_gt(e, n), 0, 3); SHAPE_IS(tg_add_(e, e), 0, 3); SHAPE_IS(tg_where(tg_gt(e, n), e, n), 0, 3);
    SHAPE_IS(tg_t(e), 3, 0); SHAPE_IS(tg_reshape(e, TG_SHAPE(5, 0)), 5, 0); SHAPE_IS(tg_view(e, TG_SHAPE(0)), 0); SHAPE_IS(tg_flatten(e, 0, 1), 0); SHAPE_IS(tg_expand(e, TG_SHAPE(2, 0, 3)), 2, 0, 3); SHAPE_IS(tg_unsqueeze(e, 0), 1, 0, 3);
    SHAPE_IS(tg_slice(e, ":, 1"), 0); SHAPE_IS(tg_slice(e, "::-1"), 0, 3); SHAPE_IS(tg_narrow(e, 0, 0, 0), 0, 3); SHAPE_IS(tg_clone(e), 0, 3); SHAPE_IS(tg_to(e, TG_I8), 0, 3); SHAPE_IS(tg_contiguous(tg_t(e)), 3, 0);
    SCALAR_IS(tg_sum(e)); CHECK(tg_item(tg_sum(e)) == 0); CHECK(tg_item(tg_prod(e)) == 1); CHECK(isnan(tg_item(tg_mean(e)))); SHAPE_IS(tg_sum_dims(e, TG_DIMS(0), false), 3); CHECK(tg_item(tg_sum(tg_sum_dims(e, TG_DIMS(0), false))) == 0); SHAPE_IS(tg_sum_dims(e, TG_DIMS(1), true), 0, 1);
    SHAPE_IS(tg_amax_dims(e, TG_DIMS(1), false), 0); SHAPE_IS(tg_argmax_dim(e, 1, false), 0); SHAPE_IS(tg_max_dim(e, 1, true, &y), 0, 1); SHAPE_IS(y, 0, 1); CHECK(tg_item(tg_any(e)) == 0 && tg_item(tg_all(e)) == 1);
    SHAPE_IS(tg_softmax(e, 0), 0, 3); SHAPE_IS(tg_softmax(e, 1), 0, 3); SHAPE_IS(tg_log_softmax(e, 0), 0, 3); SHAPE_IS(tg_sort(e, 0, false, &y), 0, 3); SHAPE_IS(y, 0, 3);
    SHAPE_IS(tg_matmul(e, tg_ones(tg, TG_SHAPE(3, 2))), 0, 2); SHAPE_IS(tg_matmul(tg_ones(tg, TG_SHAPE(2, 0)), e), 2, 3); CHECK(tg_item(tg_sum(tg_matmul(tg_ones(tg, TG_SHAPE(2, 0)), e))) == 0); SHAPE_IS(tg_matmul(tg_zeros(tg, TG_SHAPE(0, 2, 3)), tg_ones(tg, TG_SHAPE(3, 4))), 0, 2, 4);
    SCALAR_IS(tg_matmul(tg_zeros(tg, TG_SHAPE(0)), tg_zeros(tg, TG_SHAPE(0)))); SHAPE_IS(tg_linear(e, tg_ones(tg, TG_SHAPE(5, 3)), tg_ones(tg, TG_SHAPE(5))), 0, 5); x = tg_linear(tg_ones(tg, TG_SHAPE(2, 0)), tg_ones(tg, TG_SHAPE(5, 0)), tg_ones(tg, TG_SHAPE(5))); SHAPE_IS(x, 2, 5); CHECK(x && tg_item(tg_sum(x)) == 10);
    SHAPE_IS(tg_conv2d(tg_zeros(tg, TG_SHAPE(0, 1, 5, 5)), tg_ones(tg, TG_SHAPE(2, 1, 3, 3)), NULL), 0, 2, 3, 3);
    SHAPE_IS(tg_index_select(tg_ones(tg, TG_SHAPE(4, 3)), 0, i), 0, 3); SHAPE_IS(tg_gather(tg_ones(tg, TG_SHAPE(4)), 0, i), 0); SHAPE_IS(tg_scatter(tg_ones(tg, TG_SHAPE(4)), 0, i, tg_zeros(tg, TG_SHAPE(0))), 4); SHAPE_IS(tg_index_add(tg_ones(tg, TG_SHAPE(4, 3)), 0, i, e), 4, 3); SHAPE_IS(tg_one_hot(i, 4), 0, 4);
    list[0] = e; list[1] = tg_ones(tg, TG_SHAPE(2, 3)); SHAPE_IS(tg_cat(list, 2, 0), 2, 3); list[1] = e; SHAPE_IS(tg_stack(list, 2, 1), 0, 2, 3); SHAPE_IS(tg_cat(list, 2, 1), 0, 6);
    SHAPE_IS(tg_rand(tg, TG_SHAPE(0, 2)), 0, 2); SHAPE_IS(tg_randint(tg, 0, 5, TG_SHAPE(0)), 0); SHAPE_IS(tg_dropout(e, 0.5, true), 0, 3); SHAPE_IS(tg_bernoulli(e), 0, 3); SHAPE_IS(tg_arange(tg, 3, 3, 1, TG_I64), 0); SHAPE_IS(tg_eye(tg, 0), 0, 0); SHAPE_IS(tg_from(tg, TG_SHAPE(0, 2), TG_F64, NULL), 0, 2); SHAPE_IS(tg_wrap(tg, TG_SHAPE(0), TG_F32, NULL), 0);
    CHECK(tg_read(e, NULL, 0) && tg_write(e, NULL, 0) && tg_equal(e, e) && tg_allclose(e, tg_clone(e), 0, 0)); SHAPE_IS(tg_fill_(e, 3), 0, 3); SHAPE_IS(tg_copy_(e, n), 0, 3); SHAPE_IS(tg_npy_parse(tg, tg_npy_bytes(e)->data, (size_t)tg_npy_bytes(e)->numel), 0, 3);
    { tg_tensor *p = tg_require_grad(tg_zeros(tg, TG_SHAPE(0, 3)), true); CHECK(tg_backward(tg_sum(tg_mul(tg_exp(p), tg_softmax(p, 1))))); SHAPE_IS(p->grad, 0, 3); }
    /* 0-d */
    SCALAR_IS(tg_add(n, n)); SCALAR_IS(tg_exp(n)); SCALAR_IS(tg_sum(n)); SCALAR_IS(tg_sum_dims(n, TG_DIMS(0), true)); SCALAR_IS(tg_sum_dims(n, TG_DIMS(-1), false)); SCALAR_IS(tg_mean(n)); SCALAR_IS(tg_amax_dims(n, TG_DIMS(0), false)); SCALAR_IS(tg_max_dim(n, 0, false, &y)); CHECK(y && y->ndim == 0 && tg_item_i64(y) == 0);
    SCALAR_IS(tg_argmax(n)); SCALAR_IS(tg_softmax(n, 0)); CHECK(tg_item(tg_softmax(n, -1)) == 1); CHECK(tg_item(tg_log_softmax(n, 0)) == 0); SCALAR_IS(tg_sort(n, 0, true, &y)); SCALAR_IS(y); SCALAR_IS(tg_transpose(n, 0, 0)); SCALAR_IS(tg_transpose(n, -1, 0)); SCALAR_IS(tg_permute(n, 0, NULL)); SCALAR_IS(tg_t(n)); SCALAR_IS(tg_squeeze(n, 0)); SHAPE_IS(tg_unsqueeze(n, 0), 1); SHAPE_IS(tg_unsqueeze(n, -1), 1);
    SHAPE_IS(tg_flatten(n, 0, 0), 1); SHAPE_IS(tg_reshape(n, TG_SHAPE(1, 1)), 1, 1); SCALAR_IS(tg_reshape(tg_ones(tg, TG_SHAPE(1, 1)), TG_SCALAR)); SCALAR_IS(tg_view(n, TG_SCALAR)); SHAPE_IS(tg_expand(n, TG_SHAPE(2, 3)), 2, 3); SCALAR_IS(tg_expand(n, TG_SCALAR)); SCALAR_IS(tg_slice(n, "...")); SHAPE_IS(tg_slice(n, "None"), 1); SCALAR_IS(tg_slice(n, ""));
    SCALAR_IS(tg_clone(n)); SCALAR_IS(tg_contiguous(n)); SCALAR_IS(tg_detach(n)); SCALAR_IS(tg_zeros_like(n)); SCALAR_IS(tg_rand(tg, TG_SCALAR)); SCALAR_IS(tg_dropout(n, 0.5, true)); SCALAR_IS(tg_fill_(tg_clone(n), 2)); SCALAR_IS(tg_index_select(n, 0, tg_full(tg, TG_SHAPE(1), 0, TG_I64))); SCALAR_IS(tg_gather(n, 0, tg_full(tg, TG_SCALAR, 0, TG_I64)));
    list[0] = list[1] = n; SHAPE_IS(tg_stack(list, 2, 0), 2); SHAPE_IS(tg_one_hot(tg_full(tg, TG_SCALAR, 2, TG_I64), 4), 4); SCALAR_IS(tg_cross_entropy(tg_ones(tg, TG_SHAPE(1, 3)), tg_full(tg, TG_SHAPE(1), 0, TG_I64)));
    CHECK(tg_get(n, NULL) == 4); CHECK(tg_set(n, NULL, 5) && tg_item(n) == 5); CHECK(tg_item(tg_view(n, TG_SHAPE(1, 1, 1, 1, 1, 1, 1, 1))) == 5);
    tg_end(tg, mark);
    CHECK_OK(tg);
}

/* ---- creation, copies in and out ---- */
static void test_create(void) {
    tg_mark mark = tg_begin(tg);
    static const struct { double start, end, step; int n; } ramps[] = { { 0, 1, 0.1, 10 }, { 0, 5, 2, 3 }, { 5, 0, -2, 3 }, { 0, 0, 1, 0 }, { -1, 1, 0.5, 4 }, { 0, 10, 100, 1 }, { 1, 2, 0.3, 4 } };
    size_t i;
    int64_t at[3] = { 1, 2, -1 };
    for (i = 0; i < sizeof ramps / sizeof ramps[0]; i++) {
        tg_tensor *t = tg_arange(tg, ramps[i].start, ramps[i].end, ramps[i].step, TG_F64);
        int64_t k;
        if (!CHECK(t && t->numel == ramps[i].n)) continue;
        for (k = 0; k < t->numel; k++) CHECK_NEAR(el(t, k), ramps[i].start + (double)k * ramps[i].step, 1e-12);
    }
    { tg_tensor *t = tg_eye(tg, 3); int k; for (k = 0; k < 9; k++) CHECK(el(t, k) == (k % 4 == 0)); }
    { tg_tensor *t = tg_ones(tg, TG_SHAPE(2, 3, 4)), *p = tg_permute(t, TG_DIMS(2, 0, 1)), *l = tg_zeros_like(p), *y = tg_add(p, p); CHECK(tg_set(t, at, 7)); CHECK(tg_get(t, at) == 7);
      at[0] = 3; at[1] = 1; at[2] = 2; CHECK(tg_get(p, at) == 7); CHECK(l->stride[0] == 1 && l->stride[1] == 12 && l->stride[2] == 4); CHECK(y->stride[0] == 1 && y->stride[1] == 12 && y->stride[2] == 4);
      CHECK(tg_contiguous(p)->stride[0] == 6 && tg_clone(p)->stride[0] == 1); }
    { float f[6] = { 1, 2, 3, 4, 5, 6 }, g[6]; tg_tensor *w = tg_wrap(tg, TG_SHAPE(2, 3), TG_F32, f); CHECK(w->data == (void *)f); CHECK(tg_mul_scalar(w, 2) && tg_add_(w, w)); CHECK(f[5] == 12); f[0] = -1; CHECK(el(w, 0) == -1);
      CHECK(tg_read_f32(tg_t(w), g, 6) && g[1] == 8 && g[5] == 12); { float h[6] = { 0, 1, 2, 3, 4, 5 }; CHECK(tg_write(tg_t(w), h, sizeof h)); CHECK(f[0] == 0 && f[3] == 1 && f[1] == 2 && f[5] == 5); } }
    { tg_tensor *a = F32(1, TEST_NAN), *b = F32(1, 2); CHECK(!tg_equal(a, a) && tg_equal(b, b) && !tg_equal(b, tg_reshape(b, TG_SHAPE(1, 2))) && tg_equal(b, tg_to(b, TG_F64)) && !tg_allclose(a, a, 1, 1) && tg_allclose(F32(1.0001f), F32(1), 1e-3, 0) && !tg_allclose(F32(1.1f), F32(1), 1e-3, 1e-3)); CHECK(tg_allclose(F32(TEST_INF), F32(TEST_INF), 0, 0) && !tg_allclose(F32(TEST_INF), F32(-TEST_INF), 1, 1)); }
    { float odd[16]; float f[3] = { 1, 2, 3 }; tg_tensor *w; memcpy(odd + 1, f, sizeof f); w = tg_wrap(tg, TG_SHAPE(3), TG_F32, odd + 1); CHECK(tg_item(tg_sum(w)) == 6); }
    { double room[64]; char *odd = (char *)room + 1; int d;              /* addresses that do not fit: refused where they would be borrowed, taken where they are copied */
      for (d = 0; d < TG_DTYPES; d++) {
          int64_t size = (int64_t)tg_dtype_size((tg_dtype)d), back;
          tg_tensor *w, *t = tg_to(tg_reshape(tg_arange(tg, 0, 12, 1, TG_F32), TG_SHAPE(3, 4)), (tg_dtype)d);
          memset(room, 0, sizeof room);
          w = tg_wrap(tg, TG_SHAPE(12), (tg_dtype)d, odd); CHECK(!w == (size > 1)); if (size > 1) { CHECK(strstr(tg_error_text(tg), "multiple of") != NULL); CHECK_ERROR(tg, TG_ERROR_VALUE); }
          CHECK(!tg_wrap(tg, TG_SHAPE(12), (tg_dtype)d, (char *)room + size / 2) == (size > 1)); tg_clear(tg);
          CHECK(tg_wrap(tg, TG_SHAPE(12), (tg_dtype)d, (char *)room + size) && tg_wrap(tg, TG_SHAPE(0), (tg_dtype)d, odd)); CHECK_OK(tg);
          CHECK(tg_read(tg_t(t), odd, (size_t)(12 * size)) && tg_equal(tg_from(tg, TG_SHAPE(4, 3), (tg_dtype)d, odd), tg_t(t)));
          w = tg_to(tg_zeros(tg, TG_SHAPE(3, 4)), (tg_dtype)d); CHECK(tg_write(tg_t(w), odd, (size_t)(12 * size)) && tg_equal(w, t)); CHECK_OK(tg);
          for (back = 12 * size + 1; back < 200; back++) CHECK(((char *)room)[back] == 0);
      } }
    { tg_tensor *i = tg_full(tg, TG_SHAPE(2), 9007199254740990.0, TG_I64), *b = tg_full(tg, TG_SHAPE(2), 1, TG_BOOL), *w = tg_full(tg, TG_SHAPE(2), 200, TG_U8);       /* whole numbers beside integers */
      tg_tensor *y = tg_add_scalar(i, 1); CHECK(y->dtype == TG_I64 && tg_item_i64(tg_select(y, 0, 0)) == 9007199254740991); CHECK(tg_add_scalar(i, 0.5)->dtype == TG_F32 && tg_mul_scalar(b, 2)->dtype == TG_I64 && tg_mul_scalar(b, 0.5)->dtype == TG_F32);
      CHECK(tg_div_scalar(i, 2)->dtype == TG_F32 && tg_floor_divide_scalar(i, 2)->dtype == TG_I64 && tg_item(tg_min(tg_eq_scalar(y, 9007199254740991.0))) == 1 && tg_item(tg_max(tg_eq_scalar(i, 9007199254740991.0))) == 0);
      y = tg_add_scalar(w, 100); CHECK(y->dtype == TG_U8 && tg_item(tg_max(y)) == 44); CHECK(tg_add_scalar(w, 1e300)->dtype == TG_F32 && tg_add_scalar(w, TEST_NAN)->dtype == TG_F32 && tg_add_scalar(w, TEST_INF)->dtype == TG_F32);
      CHECK(tg_add_scalar(tg_zeros(tg, TG_SHAPE(2)), 1)->dtype == TG_F32); CHECK(!tg_floor_divide_scalar(w, 0)); CHECK_ERROR(tg, TG_ERROR_VALUE); }
    { int64_t huge[3] = { TEST_HUGE / 8, 2, 8 }; tg_tensor *e = tg_expand(tg_reshape(F32(1, 3), TG_SHAPE(2, 1)), 3, huge), *f = tg_expand(tg_reshape(F32(1, 3), TG_SHAPE(2, 1)), 3, huge); char s[200];       /* each element once, or this never ends */
      CHECK(tg_equal(e, f) && tg_equal(e, e) && tg_allclose(e, f, 0, 0)); CHECK(!tg_equal(e, tg_expand(tg_reshape(F32(1, 4), TG_SHAPE(2, 1)), 3, huge))); CHECK_OK(tg);
      (void)tg_format_stats(e, s, sizeof s); CHECK(strstr(s, "mean 2") && strstr(s, "std 1") && strstr(s, "in [1.0, 3.0], 0 nan"));
      (void)tg_format_stats(tg_expand(tg_reshape(F32(1, TEST_NAN, 2), TG_SHAPE(3, 1)), TG_SHAPE(3, 4)), s, sizeof s); CHECK_TEXT(s, "f32[3, 4] mean 1.5 std 0.5345225 in [1.0, 2.0], 4 nan, 0 inf");
      CHECK(!tg_equal(tg_expand(F32(1, 3), TG_SHAPE(3, 2)), tg_reshape(F32(1, 3, 1, 3, 1, 4), TG_SHAPE(3, 2)))); CHECK(tg_equal(tg_expand(F32(1, 3), TG_SHAPE(3, 2)), tg_reshape(F32(1, 3, 1, 3, 1, 3), TG_SHAPE(3, 2)))); }
    { tg_tensor *t = tg_empty(tg, TG_SHAPE(1000), TG_F32), *u = tg_empty(tg, TG_SHAPE(3), TG_I8), *v = tg_empty(tg, TG_SHAPE(0), TG_F32); CHECK(((uintptr_t)t->data & 63) == 0 && ((uintptr_t)u->data & 63) == 0); (void)v; }
    tg_end(tg, mark);
    CHECK_OK(tg);
}

/* ---- printing: torch's text, with our names of types ---- */
static void prints(tg_tensor *t, const char *want, int line) {
    char text[16000];
    size_t n = tg_format(t, text, sizeof text);
    char few[9];
    test_check(n == strlen(text), __FILE__, line, "the length is %d, but %d was returned", (int)strlen(text), (int)n);
    test_text(text, want, __FILE__, line);
    test_check(tg_format(t, NULL, 0) == n, __FILE__, line, "another length without room");
    test_check(tg_format(t, few, sizeof few) == n && strlen(few) == 8 && !strncmp(few, text, 8), __FILE__, line, "cut: %s", few);
}
#define PRINTS(t, want) prints(t, want, __LINE__)
static void test_printing(void) {
    char text[300];
    tg_mark mark = tg_begin(tg);
    PRINTS(F32(1, 2, 3),
        "tensor([1., 2., 3.])");
    PRINTS(F32(1.5f, -2.25f, 1000.125f),
        "tensor([   1.5000,   -2.2500, 1000.1250])");
    PRINTS(F32(1e-5f, 1, 100),
        "tensor([1.0000e-05, 1.0000e+00, 1.0000e+02])");
    PRINTS(F32(1e10f, 1),
        "tensor([1.0000e+10, 1.0000e+00])");
    PRINTS(F32(123456789.0f),
        "tensor([1.2346e+08])");
    PRINTS(F32(0, 0.00001f),
        "tensor([0.0000e+00, 1.0000e-05])");
    PRINTS(F32(1, 2, TEST_NAN),
        "tensor([1., 2., nan])");
    PRINTS(F32(TEST_NAN, TEST_INF, -TEST_INF),
        "tensor([nan, inf, -inf])");
    PRINTS(F32(1.5f, TEST_INF),
        "tensor([1.5000,    inf])");
    PRINTS(F32(0.1f, 0.2f, 12345.678f),
        "tensor([1.0000e-01, 2.0000e-01, 1.2346e+04])");
    PRINTS(F32(-0.0f, 0.0f),
        "tensor([-0., 0.])");
    PRINTS(tg_reshape(tg_arange(tg, 0, 24, 1, TG_F32), TG_SHAPE(2, 3, 4)),
        "tensor([[[ 0.,  1.,  2.,  3.],\n"
        "         [ 4.,  5.,  6.,  7.],\n"
        "         [ 8.,  9., 10., 11.]],\n"
        "\n"
        "        [[12., 13., 14., 15.],\n"
        "         [16., 17., 18., 19.],\n"
        "         [20., 21., 22., 23.]]])");
    PRINTS(tg_reshape(tg_arange(tg, 0, 24, 1, TG_I64), TG_SHAPE(2, 3, 4)),
        "tensor([[[ 0,  1,  2,  3],\n"
        "         [ 4,  5,  6,  7],\n"
        "         [ 8,  9, 10, 11]],\n"
        "\n"
        "        [[12, 13, 14, 15],\n"
        "         [16, 17, 18, 19],\n"
        "         [20, 21, 22, 23]]])");
    PRINTS(tg_t(tg_reshape(tg_arange(tg, -3, 3, 1, TG_I32), TG_SHAPE(2, 3))),
        "tensor([[-3,  0],\n"
        "        [-2,  1],\n"
        "        [-1,  2]], dtype=i32)");
    PRINTS(tg_arange(tg, 0, 60, 1, TG_F32),
        "tensor([ 0.,  1.,  2.,  3.,  4.,  5.,  6.,  7.,  8.,  9., 10., 11., 12., 13.,\n"
        "        14., 15., 16., 17., 18., 19., 20., 21., 22., 23., 24., 25., 26., 27.,\n"
        "        28., 29., 30., 31., 32., 33., 34., 35., 36., 37., 38., 39., 40., 41.,\n"
        "        42., 43., 44., 45., 46., 47., 48., 49., 50., 51., 52., 53., 54., 55.,\n"
        "        56., 57., 58., 59.])");
    PRINTS(tg_arange(tg, 0, 60, 1, TG_I64),
        "tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,\n"
        "        18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35,\n"
        "        36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53,\n"
        "        54, 55, 56, 57, 58, 59])");
    PRINTS(tg_arange(tg, 0, 2000, 1, TG_F32),
        "tensor([0.0000e+00, 1.0000e+00, 2.0000e+00,  ..., 1.9970e+03, 1.9980e+03,\n"
        "        1.9990e+03])");
    PRINTS(tg_reshape(tg_arange(tg, 0, 10000, 1, TG_I64), TG_SHAPE(100, 100)),
        "tensor([[   0,    1,    2,  ...,   97,   98,   99],\n"
        "        [ 100,  101,  102,  ...,  197,  198,  199],\n"
        "        [ 200,  201,  202,  ...,  297,  298,  299],\n"
        "        ...,\n"
        "        [9700, 9701, 9702,  ..., 9797, 9798, 9799],\n"
        "        [9800, 9801, 9802,  ..., 9897, 9898, 9899],\n"
        "        [9900, 9901, 9902,  ..., 9997, 9998, 9999]])");
    PRINTS(tg_reshape(tg_arange(tg, 0, 3000, 1, TG_F32), TG_SHAPE(3, 10, 100)),
        "tensor([[[0.0000e+00, 1.0000e+00, 2.0000e+00,  ..., 9.7000e+01,\n"
        "          9.8000e+01, 9.9000e+01],\n"
        "         [1.0000e+02, 1.0100e+02, 1.0200e+02,  ..., 1.9700e+02,\n"
        "          1.9800e+02, 1.9900e+02],\n"
        "         [2.0000e+02, 2.0100e+02, 2.0200e+02,  ..., 2.9700e+02,\n"
        "          2.9800e+02, 2.9900e+02],\n"
        "         ...,\n"
        "         [7.0000e+02, 7.0100e+02, 7.0200e+02,  ..., 7.9700e+02,\n"
        "          7.9800e+02, 7.9900e+02],\n"
        "         [8.0000e+02, 8.0100e+02, 8.0200e+02,  ..., 8.9700e+02,\n"
        "          8.9800e+02, 8.9900e+02],\n"
        "         [9.0000e+02, 9.0100e+02, 9.0200e+02,  ..., 9.9700e+02,\n"
        "          9.9800e+02, 9.9900e+02]],\n"
        "\n"
        "        [[1.0000e+03, 1.0010e+03, 1.0020e+03,  ..., 1.0970e+03,\n"
        "          1.0980e+03, 1.0990e+03],\n"
        "         [1.1000e+03, 1.1010e+03, 1.1020e+03,  ..., 1.1970e+03,\n"
        "          1.1980e+03, 1.1990e+03],\n"
        "         [1.2000e+03, 1.2010e+03, 1.2020e+03,  ..., 1.2970e+03,\n"
        "          1.2980e+03, 1.2990e+03],\n"
        "         ...,\n"
        "         [1.7000e+03, 1.7010e+03, 1.7020e+03,  ..., 1.7970e+03,\n"
        "          1.7980e+03, 1.7990e+03],\n"
        "         [1.8000e+03, 1.8010e+03, 1.8020e+03,  ..., 1.8970e+03,\n"
        "          1.8980e+03, 1.8990e+03],\n"
        "         [1.9000e+03, 1.9010e+03, 1.9020e+03,  ..., 1.9970e+03,\n"
        "          1.9980e+03, 1.9990e+03]],\n"
        "\n"
        "        [[2.0000e+03, 2.0010e+03, 2.0020e+03,  ..., 2.0970e+03,\n"
        "          2.0980e+03, 2.0990e+03],\n"
        "         [2.1000e+03, 2.1010e+03, 2.1020e+03,  ..., 2.1970e+03,\n"
        "          2.1980e+03, 2.1990e+03],\n"
        "         [2.2000e+03, 2.2010e+03, 2.2020e+03,  ..., 2.2970e+03,\n"
        "          2.2980e+03, 2.2990e+03],\n"
        "         ...,\n"
        "         [2.7000e+03, 2.7010e+03, 2.7020e+03,  ..., 2.7970e+03,\n"
        "          2.7980e+03, 2.7990e+03],\n"
        "         [2.8000e+03, 2.8010e+03, 2.8020e+03,  ..., 2.8970e+03,\n"
        "          2.8980e+03, 2.8990e+03],\n"
        "         [2.9000e+03, 2.9010e+03, 2.9020e+03,  ..., 2.9970e+03,\n"
        "          2.9980e+03, 2.9990e+03]]])");
    PRINTS(tg_reshape(tg_arange(tg, 0, 1001, 1, TG_I64), TG_SHAPE(7, 143)),
        "tensor([[   0,    1,    2,  ...,  140,  141,  142],\n"
        "        [ 143,  144,  145,  ...,  283,  284,  285],\n"
        "        [ 286,  287,  288,  ...,  426,  427,  428],\n"
        "        ...,\n"
        "        [ 572,  573,  574,  ...,  712,  713,  714],\n"
        "        [ 715,  716,  717,  ...,  855,  856,  857],\n"
        "        [ 858,  859,  860,  ...,  998,  999, 1000]])");
    PRINTS(tg_full(tg, TG_SCALAR, 3.5, TG_F32),
        "tensor(3.5000)");
    PRINTS(tg_full(tg, TG_SCALAR, 3, TG_I64),
        "tensor(3)");
    PRINTS(tg_full(tg, TG_SCALAR, 1, TG_BOOL),
        "tensor(True)");
    PRINTS(tg_full(tg, TG_SCALAR, 2.5, TG_F64),
        "tensor(2.5000, dtype=f64)");
    PRINTS(tg_zeros(tg, TG_SHAPE(0)),
        "tensor([])");
    PRINTS(tg_zeros(tg, TG_SHAPE(0, 3)),
        "tensor([], size=(0, 3))");
    PRINTS(tg_zeros(tg, TG_SHAPE(2, 0)),
        "tensor([], size=(2, 0))");
    PRINTS(tg_full(tg, TG_SHAPE(0), 0, TG_I64),
        "tensor([], dtype=i64)");
    PRINTS(tg_full(tg, TG_SHAPE(0), 0, TG_BOOL),
        "tensor([], dtype=bool)");
    PRINTS(tg_full(tg, TG_SHAPE(2, 0), 0, TG_I32),
        "tensor([], size=(2, 0), dtype=i32)");
    PRINTS(tg_gt_scalar(F32(1, 2, 3), 1.5),
        "tensor([False,  True,  True])");
    PRINTS(tg_to(F32(1, 2.5f, -3), TG_F16),
        "tensor([ 1.0000,  2.5000, -3.0000], dtype=f16)");
    PRINTS(tg_to(F32(1, 2, -3), TG_BF16),
        "tensor([ 1.,  2., -3.], dtype=bf16)");
    PRINTS(tg_to(F32(1.0f / 3, 2), TG_F64),
        "tensor([0.3333, 2.0000], dtype=f64)");
    PRINTS(tg_to(F32(1, 2, 200), TG_U8),
        "tensor([  1,   2, 200], dtype=u8)");
    PRINTS(tg_to(F32(1, -2, 100), TG_I8),
        "tensor([  1,  -2, 100], dtype=i8)");
    PRINTS(tg_require_grad(F32(1, 2), true),
        "tensor([1., 2.], requires_grad=True)");
    PRINTS(tg_reshape(F32(1, 2, 3, 4.5f), TG_SHAPE(4, 1)),
        "tensor([[1.0000],\n"
        "        [2.0000],\n"
        "        [3.0000],\n"
        "        [4.5000]])");
    PRINTS(tg_mul_scalar(tg_reshape(tg_arange(tg, 0, 40, 1, TG_F32), TG_SHAPE(2, 20)), 0.37),
        "tensor([[ 0.0000,  0.3700,  0.7400,  1.1100,  1.4800,  1.8500,  2.2200,  2.5900,\n"
        "          2.9600,  3.3300,  3.7000,  4.0700,  4.4400,  4.8100,  5.1800,  5.5500,\n"
        "          5.9200,  6.2900,  6.6600,  7.0300],\n"
        "        [ 7.4000,  7.7700,  8.1400,  8.5100,  8.8800,  9.2500,  9.6200,  9.9900,\n"
        "         10.3600, 10.7300, 11.1000, 11.4700, 11.8400, 12.2100, 12.5800, 12.9500,\n"
        "         13.3200, 13.6900, 14.0600, 14.4300]])");
    PRINTS(tg_ones(tg, TG_SHAPE(1, 1, 1, 2, 2)),
        "tensor([[[[[1., 1.],\n"
        "           [1., 1.]]]]])");
    PRINTS(F32(1e38f, -1e38f),
        "tensor([ 1.0000e+38, -1.0000e+38])");
    PRINTS(F32(1e-38f, 2e-38f),
        "tensor([1.0000e-38, 2.0000e-38])");
    PRINTS(F32(99999.0f, 100000.0f),
        "tensor([ 99999., 100000.])");
    PRINTS(F32(99999999.0f),
        "tensor([100000000.])");
    PRINTS(F32(0.9999999f, 10),
        "tensor([ 1.0000, 10.0000])");
    PRINTS(F32(0.00012345f, 0.00022f),
        "tensor([0.0001, 0.0002])");
    PRINTS(F32(0.5f, 0.0004f, 600),
        "tensor([5.0000e-01, 4.0000e-04, 6.0000e+02])");
    CHECK(tg_format_line(tg_t(tg_reshape(F32(1, 2, 3, 4, 5, 6), TG_SHAPE(2, 3))), text, sizeof text) == strlen(text)); CHECK_TEXT(text, "f32[3, 2] [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]");      /* in the order of the tensor, not of memory */
    (void)tg_format_line(tg_require_grad(tg_set_name(tg_arange(tg, 0, 9, 1, TG_F32), "w"), true), text, sizeof text); CHECK_TEXT(text, "'w' f32[9] requires_grad [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, ...]");
    (void)tg_format_line(tg_full(tg, TG_SCALAR, 3, TG_I64), text, sizeof text); CHECK_TEXT(text, "i64[] [3]");
    (void)tg_format_stats(F32(0, 1, 2, 3, TEST_NAN, TEST_INF, -TEST_INF), text, sizeof text); CHECK_TEXT(text, "f32[7] mean 1.5 std 1.2909944 in [0.0, 3.0], 1 nan, 2 inf");
    (void)tg_format_stats(tg_zeros(tg, TG_SHAPE(0)), text, sizeof text); CHECK(strstr(text, "f32[0]") != NULL);
    CHECK(tg_format(NULL, text, sizeof text) == 4 && !strcmp(text, "NULL"));
    tg_end(tg, mark);
    CHECK_OK(tg);
}

/* ---- refusals and corner values that torch has too ---- */
static void refused(tg_tensor *y, tg_error_code code, int line) {
    test_check(y == NULL && tg_error(tg) == code, __FILE__, line, "not refused as it should be: %s", tg_error_text(tg));
    tg_clear(tg);
}
#define REFUSED(code, call) refused(call, code, __LINE__)
static void test_refusals(void) {
    tg_mark mark = tg_begin(tg);
    tg_tensor *i = tg_arange(tg, 1, 4, 1, TG_I64), *b = tg_gt_scalar(i, 2), *f = tg_to(i, TG_F32), *v;
    const tg_error_code large = sizeof(void *) > 4 ? TG_ERROR_MEMORY : TG_ERROR_VALUE;
    REFUSED(TG_ERROR_VALUE, tg_add_scaled(i, i, 0.5)); REFUSED(TG_ERROR_VALUE, tg_pow(i, tg_integer(tg, -1))); REFUSED(TG_ERROR_DTYPE, tg_addcdiv(i, i, i, 1));
    REFUSED(TG_ERROR_DTYPE, tg_sub(i, b)); REFUSED(TG_ERROR_DTYPE, tg_sub(b, i)); REFUSED(TG_ERROR_DTYPE, tg_abs(b)); REFUSED(TG_ERROR_DTYPE, tg_pow(b, b)); REFUSED(TG_ERROR_DTYPE, tg_argmax(b));
    REFUSED(TG_ERROR_DTYPE, tg_gelu(i)); REFUSED(TG_ERROR_DTYPE, tg_leaky_relu(i, 0.1)); REFUSED(TG_ERROR_DTYPE, tg_lerp(i, i, i));
    REFUSED(TG_ERROR_VALUE, tg_full(tg, TG_SHAPE(1), 300, TG_U8)); REFUSED(TG_ERROR_VALUE, tg_full(tg, TG_SHAPE(1), (double)INFINITY, TG_I32)); REFUSED(TG_ERROR_VALUE, tg_fill_(i, 1e20)); REFUSED(TG_ERROR_VALUE, tg_fill_(i, (double)NAN));
    REFUSED(TG_ERROR_VALUE, tg_normal_(f, 0, -1));
    CHECK(tg_item_i64(tg_full(tg, TG_SHAPE(1), -1, TG_U8)) == 255 && tg_item_i64(tg_full(tg, TG_SHAPE(1), -128, TG_I8)) == -128 && tg_item_i64(tg_full(tg, TG_SHAPE(1), -9223372036854775808.0, TG_I64)) == INT64_MIN);
    CHECK(tg_equal(tg_pow(i, tg_integer(tg, 2)), tg_square(i)) && tg_equal(tg_add_scaled(i, i, 2), tg_mul(i, tg_integer(tg, 3))));
    /* sizes that no machine has are out of memory, not out of bounds; where addresses have 32 bits, already the count is refused */
    REFUSED(large, tg_empty(tg, TG_SHAPE(INT64_C(281474976710657)), TG_U8)); REFUSED(large, tg_zeros(tg, TG_SHAPE(INT64_C(1) << 50))); REFUSED(large, tg_empty(tg, TG_SHAPE(INT64_C(1) << 60), TG_U8));
    CHECK(!tg_reshape(tg_zeros(tg, TG_SHAPE(0)), TG_SHAPE(0, INT64_C(1) << 62, INT64_C(1) << 62))); tg_clear(tg);
    /* numbers take the tensor's type before they are compared */
    v = tg_full(tg, TG_SHAPE(1), 0.1, TG_F16); CHECK(tg_item(tg_eq_scalar(v, 0.1)) == 1 && tg_item(tg_lt_scalar(v, 0.1)) == 0);
    v = tg_full(tg, TG_SHAPE(1), 255, TG_U8); CHECK(tg_item(tg_eq(v, tg_integer(tg, -1))) == 1 && tg_item(tg_floor_divide(v, tg_integer(tg, -3))) == 1);
    /* the nearer end counts, squares of halves do not overflow, tiny numbers survive a conversion, the upper bound wins */
    CHECK(tg_item(tg_lerp(tg_full(tg, TG_SHAPE(1), 1e10, TG_F32), tg_ones(tg, TG_SHAPE(1)), tg_ones(tg, TG_SHAPE(1)))) == 1);
    v = tg_to(tg_reshape(tg_add(tg_mul_scalar(tg_reshape(tg_arange(tg, 0, 2, 1, TG_F32), TG_SHAPE(2, 1)), 400), tg_full(tg, TG_SHAPE(1, 150), 100, TG_F32)), TG_SHAPE(300)), TG_F16); CHECK_NEAR(tg_item(tg_var_dims(v, 0, NULL, 1, false)), 40128, 0);
    CHECK(tg_item(tg_to(tg_full(tg, TG_SHAPE(1), 1e-40, TG_F64), TG_F32)) > 0);
    CHECK(tg_item(tg_sum(tg_clamp(i, 3, 1))) == 3);
    { tg_tensor *q = tg_reshape(tg_arange(tg, -2, 4, 1, TG_F32), TG_SHAPE(2, 3));                         /* tg_name is tg_name_dims over all */
      CHECK(tg_item(tg_amax(q)) == 3 && tg_item(tg_amin(q)) == -2 && tg_item(tg_any(q)) == 1 && tg_item(tg_all(q)) == 0);
      CHECK(tg_equal(tg_amax(q), tg_amax_dims(q, TG_DIMS(0, 1), false)) && tg_equal(tg_amin(q), tg_amin_dims(q, TG_DIMS(0, 1), false)) && tg_equal(tg_all(q), tg_all_dims(q, TG_DIMS(0, 1), false)));
      CHECK(tg_equal(tg_any_dims(q, TG_DIMS(1), false), tg_ones_like(tg_any_dims(q, TG_DIMS(1), false))) && tg_item(tg_all_dims(q, 0, NULL, false)) == 0);
      CHECK(tg_item(tg_var(q, 1)) == 3.5 && tg_equal(tg_var(q, 0), tg_var_dims(q, TG_DIMS(0, 1), 0, false)) && tg_equal(tg_std(q, 1), tg_sqrt(tg_var(q, 1))) && tg_var(q, 1)->ndim == 0); }
    CHECK(tg_any(tg_full(tg, TG_SHAPE(2), 3, TG_U8))->dtype == TG_U8);
    { double y = tg_item(tg_var_dims(f, TG_DIMS(0), 3, false)); CHECK(isinf(y) && y > 0); }
    /* close: broadcast, one dtype, tolerances of integers */
    CHECK(tg_allclose(f, tg_expand(tg_unsqueeze(f, 0), TG_SHAPE(2, 3)), 0, 0) && tg_allclose(i, tg_add(i, tg_integer(tg, 1)), 0, 1.5)); CHECK(!tg_allclose(f, i, 0, 0)); CHECK_ERROR(tg, TG_ERROR_DTYPE);
    CHECK(!tg_allclose(f, tg_zeros(tg, TG_SHAPE(2)), 0, 0)); CHECK_ERROR(tg, TG_ERROR_SHAPE); CHECK(!tg_allclose(f, f, -1, 0)); CHECK_ERROR(tg, TG_ERROR_VALUE);
    /* two dimensions with stride 1: sliding windows copied */
    { const int64_t shape[3] = { 16, 9, 9 }, stride[3] = { 1, 1, 50 }; tg_tensor *w = tg_as_strided(tg_arange(tg, 0, 1000, 1, TG_F32), 3, shape, stride, 0), *c = tg_contiguous(w); int64_t at[3]; bool same = true;
      for (at[0] = 0; at[0] < 16; at[0]++) for (at[1] = 0; at[1] < 9; at[1]++) for (at[2] = 0; at[2] < 9; at[2]++) same = same && tg_get(c, at) == (double)(at[0] + at[1] + 50 * at[2]);
      CHECK(same); }
    /* two tensors over one buffer of the caller's */
    { float mine[6] = { 1, 2, 3, 4, 5, 6 }; tg_tensor *p = tg_wrap(tg, TG_SHAPE(5), TG_F32, mine), *q = tg_wrap(tg, TG_SHAPE(5), TG_F32, mine + 1); CHECK(!tg_add_(q, p)); CHECK_ERROR(tg, TG_ERROR_SHAPE); CHECK(mine[1] == 2 && mine[5] == 6); CHECK(tg_add_(q, tg_clone(p)) != NULL); CHECK(mine[1] == 3 && mine[5] == 11 && mine[3] == 7); }
    tg_end(tg, mark);
    CHECK_OK(tg);
}

int main(void) {
    tg = test_open();
    if (!tg) return test_end("tensor");
    test_half();
    test_casts();
    test_promotion();
    test_broadcast();
    test_views();
    test_slices();
    test_nothing();
    test_create();
    test_printing();
    test_refusals();
    test_close(tg);
    return test_end("tensor");
}
