/* Scaled dot product attention against plain loops in double: sizes around the blocks, grouped heads, masks, causal, few queries, dtypes, memory orders; the derivative of the tiles against that
   of the formula, with dropout too; the same bits for any number of threads and, strictly, for every instruction set; what is refused. Attention of many heads against its parts.
   cc -O2 tests/test_attention.c -o test_attention -pthread && ./test_attention */
#ifndef TENSORGRAD_SOFT_FMA
#define TENSORGRAD_SOFT_FMA            /* strict mode on the plain pass too */
#endif
#include "test.h"

enum { NO_MASK, BOOL_MASK, KEYS_MASK, NUMBERS_MASK, CAUSAL, MASKS };
typedef struct shape { int64_t b, h, hk, tq, tk, d, e; int mask; double dropout; } shape;
typedef struct operands { tg_tensor *q, *k, *v, *g, *mask; } operands;

static uint64_t seed = 1;
static uint32_t next(void) { seed = seed * 6364136223846793005u + 1442695040888963407u; return (uint32_t)(seed >> 33); }
static double normal(void) { double s = 0; int i; for (i = 0; i < 6; i++) s += (double)next() / 2147483648.0 - 0.5; return s * 1.4; }
static double exponent(double x) { double s = 1, t = 1; int i, n = 0; while (x < -0.5) { x *= 0.5; n++; } for (i = 1; i < 20; i++) { t *= x / i; s += t; } while (n-- > 0) s *= s; return s; }
static double at(const tg_tensor *t, int64_t a, int64_t b, int64_t c, int64_t d) {
    const int64_t i[4] = { a, b, c, d };
    int64_t off = 0;
    int k;
    for (k = 0; k < 4; k++) off += (t->shape[k] == 1 ? 0 : i[k]) * t->stride[k];
    return tg__get_f64((const char *)t->data + off * (int64_t)tg_dtype_size(t->dtype), t->dtype);
}
/* [a, b, c, d] in a memory order: as written; as [a, c, b, d], the heads of a projection; with gaps between the elements; turned */
static tg_tensor *make(tg_ctx *tg, int64_t a, int64_t b, int64_t c, int64_t d, tg_dtype dtype, int order) {
    tg_tensor *t = order == 1 ? tg_empty(tg, TG_SHAPE(a, c, b, d), TG_F64) : order == 2 ? tg_empty(tg, TG_SHAPE(a, b, c, 2 * d), TG_F64) : order == 3 ? tg_empty(tg, TG_SHAPE(a, b, d, c), TG_F64) : tg_empty(tg, TG_SHAPE(a, b, c, d), TG_F64);
    int64_t i;
    for (i = 0; t && i < t->numel; i++) ((double *)t->data)[i] = normal();
    t = tg_to(t, dtype);
    return order == 1 ? tg_transpose(t, 1, 2) : order == 2 ? tg_slice_dim(t, -1, 0, 2 * d, 2) : order == 3 ? tg_transpose(t, 2, 3) : t;
}
static operands draw(tg_ctx *tg, const shape *s, tg_dtype dtype, int order) {
    operands o;
    int64_t i;
    o.q = make(tg, s->b, s->h, s->tq, s->d, dtype, order); o.k = make(tg, s->b, s->hk, s->tk, s->d, dtype, order);
    o.v = make(tg, s->b, s->hk, s->tk, s->e, dtype, order == 3 ? 0 : order); o.g = make(tg, s->b, s->h, s->tq, s->e, dtype, order == 2 ? 0 : order);
    o.mask = s->mask == BOOL_MASK || s->mask == NUMBERS_MASK ? make(tg, 1, s->h, s->tq, s->tk, s->mask == BOOL_MASK ? TG_F64 : dtype, order & 1 ? 3 : 0) : s->mask == KEYS_MASK ? make(tg, s->b, 1, 1, s->tk, TG_F64, 0) : NULL;
    if (s->mask == BOOL_MASK || s->mask == KEYS_MASK) o.mask = tg_gt_scalar(o.mask, -0.5);
    if (s->mask == BOOL_MASK) for (i = 0; i < s->tk; i++) tg_fill_(tg_select(tg_select(o.mask, 2, s->tq / 2), 2, i), 0);      /* a query that sees nothing */
    tg_require_grad(o.q, true); tg_require_grad(o.k, true); tg_require_grad(o.v, true);
    return o;
}
static tg_tensor *attend(const shape *s, const operands *o) {
    return tg_scaled_dot_product_attention(o->q, o->k, o->v, .attn_mask = o->mask, .dropout_p = s->dropout, .enable_gqa = s->h != s->hk, .is_causal = s->mask == CAUSAL);
}
static double unit(tg_dtype d) { return d == TG_F64 ? 1.1e-16 : d == TG_F32 ? 6e-8 : d == TG_F16 ? 4.9e-4 : 3.9e-3; }

/* One head by plain loops: y and what it gives to dq, dk, dv. */
static void plain(const shape *s, const operands *o, int64_t b, int64_t h, double *y, double *dq, double *dk, double *dv) {
    const int64_t hk = h / (s->h / s->hk);
    double *p = (double *)malloc((size_t)(s->tk + 1) * sizeof *p), scale = 1, r = (double)s->d;
    int64_t q, k, c;
    for (c = 0; c < 60; c++) r = 0.5 * (r + (double)s->d / r);
    scale = 1 / r;
    for (q = 0; q < s->tq; q++) {
        double top = -1e300, sum = 0, delta = 0;
        for (k = 0; k < s->tk; k++) {
            bool seen = s->mask != CAUSAL || k <= q;
            p[k] = 0;
            for (c = 0; c < s->d; c++) p[k] += at(o->q, b, h, q, c) * at(o->k, b, hk, k, c);
            p[k] *= scale;
            if (o->mask) { if (o->mask->dtype == TG_BOOL) seen = at(o->mask, b, h, q, k) != 0; else p[k] += at(o->mask, b, h, q, k); }
            if (!seen) p[k] = -1e300;
            if (p[k] > top) top = p[k];
        }
        for (k = 0; k < s->tk; k++) sum += p[k] = p[k] == -1e300 ? 0 : exponent(p[k] - top);
        for (k = 0; k < s->tk; k++) {
            double slope = 0;
            p[k] = sum > 0 ? p[k] / sum : 0;
            for (c = 0; c < s->e; c++) {
                y[q * s->e + c] += p[k] * at(o->v, b, hk, k, c);
                slope += at(o->g, b, h, q, c) * at(o->v, b, hk, k, c);
                dv[k * s->e + c] += p[k] * at(o->g, b, h, q, c);
            }
            delta += p[k] * slope;
        }
        for (k = 0; k < s->tk; k++) {
            double ds = -delta;
            for (c = 0; c < s->e; c++) ds += at(o->g, b, h, q, c) * at(o->v, b, hk, k, c);
            ds *= p[k] * scale;
            for (c = 0; c < s->d; c++) { dq[q * s->d + c] += ds * at(o->k, b, hk, k, c); dk[k * s->d + c] += ds * at(o->q, b, h, q, c); }
        }
    }
    free(p);
}
static void compare(const char *what, const shape *s, tg_dtype dtype, const tg_tensor *t, int64_t b, int64_t h, const double *want, int64_t n, int64_t width, double bound) {
    int64_t i;
    if (!CHECK_MSG(t && t->dtype == dtype && t->shape[2] == n && t->shape[3] == width, "%s has another shape or type", what)) return;
    for (i = 0; i < n * width; i++) {
        const double got = at(t, b, h, i / width, i % width), v = want[i] < 0 ? -want[i] : want[i];
        if (test_near(got, want[i], bound * (1 + v))) continue;
        CHECK_MSG(false, "%s[%d][%d] is %.9g, not %.9g: %s, H %d of %d, Tq %d, Tk %d, D %d, E %d, mask %d", what, (int)(i / width), (int)(i % width), got, want[i], tg_dtype_name(dtype),
            (int)s->h, (int)s->hk, (int)s->tq, (int)s->tk, (int)s->d, (int)s->e, s->mask);
        return;
    }
    CHECK(true);
}
static void against_plain(tg_ctx *tg, const shape *s, tg_dtype dtype, int order) {
    const tg_mark m = tg_begin(tg);
    operands o = draw(tg, s, dtype, order);
    tg_tensor *y = attend(s, &o), *in[3], *d[3] = { NULL, NULL, NULL };
    const int64_t group = s->h / s->hk;
    double *want[4], bound = 40 * unit(dtype);
    const int64_t size[4] = { s->tq * s->e, s->tq * s->d, s->tk * s->d, s->tk * s->e };
    int64_t b, hk, h;
    int i;
    in[0] = o.q; in[1] = o.k; in[2] = o.v;
    if (y) tg_grad(&y, 1, in, 3, d, .grad_outputs = &o.g);
    if (!CHECK_OK(tg)) { tg_clear(tg); tg_end(tg, m); return; }
    for (b = 0; b < s->b; b++)
        for (hk = 0; hk < s->hk; hk++) {
            for (i = 0; i < 4; i++) want[i] = (double *)calloc((size_t)size[i] + 1, sizeof(double));
            for (h = hk * group; h < (hk + 1) * group; h++) {
                memset(want[0], 0, (size_t)size[0] * sizeof(double)); memset(want[1], 0, (size_t)size[1] * sizeof(double));
                plain(s, &o, b, h, want[0], want[1], want[2], want[3]);
                compare("y", s, dtype, y, b, h, want[0], s->tq, s->e, bound);
                compare("dq", s, dtype, d[0], b, h, want[1], s->tq, s->d, bound * 4);
            }
            compare("dk", s, dtype, d[1], b, hk, want[2], s->tk, s->d, bound * 4);
            compare("dv", s, dtype, d[2], b, hk, want[3], s->tk, s->e, bound * 4);
            for (i = 0; i < 4; i++) free(want[i]);
        }
    tg_end(tg, m);
}
static bool close_to(const tg_tensor *a, const tg_tensor *b, double bound) {
    int64_t i, k;
    for (i = 0; i < a->shape[0] * a->shape[1]; i++)
        for (k = 0; k < a->shape[2] * a->shape[3]; k++) {
            const double v = at(b, i / a->shape[1], i % a->shape[1], k / a->shape[3], k % a->shape[3]);
            if (!test_near(at(a, i / a->shape[1], i % a->shape[1], k / a->shape[3], k % a->shape[3]), v, bound * (1 + (v < 0 ? -v : v)))) return false;
        }
    return true;
}
/* The derivative of the tiles is that of the formula, whatever dropout drew. */
static void against_formula(tg_ctx *tg, const shape *s, tg_dtype dtype) {
    const tg_mark m = tg_begin(tg);
    operands o = draw(tg, s, dtype, 1);
    tg_tensor *y = attend(s, &o), *in[3], *d[3], *f[3];
    int i;
    in[0] = o.q; in[1] = o.k; in[2] = o.v;
    tg_seed(tg, 99);                                                            /* the call remembers its own numbers */
    tg_grad(&y, 1, in, 3, d, .grad_outputs = &o.g, .retain_graph = true);
    tg_grad(&y, 1, in, 3, f, .grad_outputs = &o.g, .create_graph = true);
    if (CHECK_OK(tg)) for (i = 0; i < 3; i++) CHECK_MSG(close_to(d[i], f[i], 200 * unit(dtype)), "derivative %d differs from the formula's: Tq %d, Tk %d, dropout %g", i, (int)s->tq, (int)s->tk, s->dropout);
    tg_clear(tg);
    tg_end(tg, m);
}
/* With v = 1 each result is the sum of what is kept of the probabilities, over 1 - p. */
static void dropped(tg_ctx *tg) {
    tg_tensor *q = tg_zeros(tg, TG_SHAPE(2, 3, 70, 8)), *k = tg_zeros(tg, TG_SHAPE(2, 3, 90, 8)), *v = tg_unsqueeze(tg_unsqueeze(tg_eye(tg, 90), 0), 0), *y = tg_scaled_dot_product_attention(q, k, v, .dropout_p = 0.25);
    double kept;
    int64_t i, bad = 0;
    if (!CHECK(y != NULL)) return;
    for (i = 0; i < y->numel; i++) { float w = ((float *)y->data)[i]; if (w != 0 && !test_near((double)w, 1 / 90.0 / 0.75, 1e-7)) bad++; }
    CHECK_INT(bad, 0);
    kept = tg_item(tg_mean(tg_to(tg_ne_scalar(y, 0), TG_F32)));
    CHECK_NEAR(kept, 0.75, 0.01);
    y = tg_scaled_dot_product_attention(q, k, v, .dropout_p = 1);
    CHECK(tg_item(tg_sum(tg_abs(y))) == 0);
}
static uint64_t hash(const tg_tensor *t) {
    uint64_t h = 1469598103934665603u;
    size_t i;
    for (i = 0; t && i < (size_t)t->numel * tg_dtype_size(t->dtype); i++) h = (h ^ ((const unsigned char *)t->data)[i]) * 1099511628211u;
    return h;
}
static uint64_t bits(const tg_config *config, const shape *s) {
    tg_ctx *tg = tg_open(config);
    tg_tensor *y, *in[3], *d[3];
    uint64_t h;
    operands o;
    if (!tg) return 0;
    seed = 5;
    o = draw(tg, s, TG_F32, 0);
    in[0] = o.q; in[1] = o.k; in[2] = o.v;
    y = attend(s, &o);
    tg_grad(&y, 1, in, 3, d, .grad_outputs = &o.g);
    h = hash(y) ^ hash(d[0]) * 3 ^ hash(d[1]) * 5 ^ hash(d[2]) * 7;
    if (!CHECK_OK(tg)) h = 0;
    tg_close(tg);
    return h;
}
static void same_bits(const shape *s) {
    static const tg_isa isas[] = { TG_ISA_PLAIN, TG_ISA_AVX2, TG_ISA_AVX512, TG_ISA_NEON, TG_ISA_SIMD128 };
    tg_config c;
    uint64_t one, strict = 0;
    size_t i;
    memset(&c, 0, sizeof c);
    one = bits(&c, s);
    c.threads = 3;
    CHECK_MSG(bits(&c, s) == one, "three threads make other bits than one");
    for (i = 0; i < sizeof isas / sizeof isas[0]; i++) {
        if (!tg_isa_supported(isas[i])) continue;
        memset(&c, 0, sizeof c);
        c.isa = isas[i]; c.strict = true;
        one = bits(&c, s);
        if (!strict) strict = one;
        CHECK_MSG(one == strict, "strict: instruction set %d makes other bits", (int)isas[i]);
    }
}
static void refused(tg_ctx *tg) {
    tg_tensor *q = tg_randn(tg, TG_SHAPE(2, 4, 3, 8)), *k = tg_randn(tg, TG_SHAPE(2, 4, 5, 8)), *two = tg_randn(tg, TG_SHAPE(2, 2, 5, 8)), *mask = tg_full(tg, TG_SHAPE(3, 5), 1, TG_BOOL), *y;
    CHECK(!tg_scaled_dot_product_attention(q, two, two)); CHECK_ERROR(tg, TG_ERROR_SHAPE);
    CHECK(!tg_scaled_dot_product_attention(q, tg_randn(tg, TG_SHAPE(2, 3, 5, 8)), k, .enable_gqa = true)); CHECK_ERROR(tg, TG_ERROR_SHAPE);
    CHECK(!tg_scaled_dot_product_attention(q, tg_randn(tg, TG_SHAPE(2, 4, 5, 7)), k)); CHECK_ERROR(tg, TG_ERROR_SHAPE);
    CHECK(!tg_scaled_dot_product_attention(q, tg_randn(tg, TG_SHAPE(2, 4, 6, 8)), k)); CHECK_ERROR(tg, TG_ERROR_SHAPE);
    CHECK(!tg_scaled_dot_product_attention(q, tg_to(k, TG_F64), k)); CHECK_ERROR(tg, TG_ERROR_DTYPE);
    CHECK(!tg_scaled_dot_product_attention(tg_to(q, TG_I64), tg_to(k, TG_I64), tg_to(k, TG_I64))); CHECK_ERROR(tg, TG_ERROR_DTYPE);
    CHECK(!tg_scaled_dot_product_attention(q, k, k, .attn_mask = mask, .is_causal = true)); CHECK_ERROR(tg, TG_ERROR_VALUE);
    CHECK(!tg_scaled_dot_product_attention(q, k, k, .attn_mask = tg_to(mask, TG_I64))); CHECK_ERROR(tg, TG_ERROR_DTYPE);
    CHECK(!tg_scaled_dot_product_attention(q, k, k, .attn_mask = tg_full(tg, TG_SHAPE(3, 4), 1, TG_BOOL))); CHECK_ERROR(tg, TG_ERROR_SHAPE);
    CHECK(!tg_scaled_dot_product_attention(q, k, k, .dropout_p = 1.5)); CHECK_ERROR(tg, TG_ERROR_VALUE);
    CHECK(!tg_scaled_dot_product_attention(q, k, NULL)); CHECK_ERROR(tg, TG_ERROR_NULL);
    CHECK(!tg_scaled_dot_product_attention(tg_ones(tg, TG_SHAPE(8)), k, k)); CHECK_ERROR(tg, TG_ERROR_SHAPE);
    k = tg_expand(tg_ones(tg, TG_SHAPE(1, 1)), TG_SHAPE(1, (int64_t)1 << 58));      /* rows without memory, whose blocks no memory could hold */
    CHECK(!tg_scaled_dot_product_attention(k, k, tg_ones(tg, TG_SHAPE(1, 1)))); CHECK_ERROR(tg, TG_ERROR_VALUE);
    k = tg_randn(tg, TG_SHAPE(2, 4, 5, 8));
    y = tg_scaled_dot_product_attention(q, two, k, .enable_gqa = true);         /* each with its own number of heads */
    CHECK(y && y->shape[1] == 4);
    y = tg_scaled_dot_product_attention(tg_select(tg_select(q, 0, 0), 0, 0), tg_select(k, 0, 0), k);      /* [3, 8], [4, 5, 8], [2, 4, 5, 8] */
    CHECK(y && y->ndim == 4 && y->shape[0] == 2 && y->shape[1] == 4 && y->shape[2] == 3);
    y = tg_scaled_dot_product_attention(q, tg_narrow(k, 2, 0, 0), tg_narrow(k, 2, 0, 0));      /* no keys */
    CHECK(y && tg_item(tg_sum(tg_abs(y))) == 0);
    y = tg_scaled_dot_product_attention(tg_narrow(q, 2, 0, 0), k, k);
    CHECK(y && y->numel == 0);
    CHECK(tg_scaled_dot_product_attention(tg_randn(tg, TG_SHAPE(2, 1, 3, 2, 4)), tg_randn(tg, TG_SHAPE(2, 3, 5, 4)), tg_randn(tg, TG_SHAPE(3, 5, 4)))->ndim == 5);
    CHECK_OK(tg);
    tg_clear(tg);
}
/* A mask of numbers that wants a gradient has one, and the others' stay what they are. */
static void mask_gradient(tg_ctx *tg) {
    shape s = { 2, 2, 2, 5, 7, 4, 3, NUMBERS_MASK, 0 };
    operands o = draw(tg, &s, TG_F64, 0);
    tg_tensor *y = attend(&s, &o), *in[4], *d[3], *f[4];
    int i;
    in[0] = o.q; in[1] = o.k; in[2] = o.v; in[3] = o.mask;
    tg_grad(&y, 1, in, 3, d, .grad_outputs = &o.g);
    tg_require_grad(o.mask, true);
    y = attend(&s, &o);
    tg_grad(&y, 1, in, 4, f, .grad_outputs = &o.g);
    if (CHECK_OK(tg)) for (i = 0; i < 3; i++) CHECK(close_to(d[i], f[i], 1e-13));
    CHECK(f[3] && f[3]->shape[1] == 2 && tg_item(tg_sum(tg_abs(f[3]))) > 0);
    tg_clear(tg);
}
/* With and without weights: two roads to one result. */
static void heads(tg_ctx *tg) {
    tg_tensor *x = tg_randn(tg, TG_SHAPE(7, 2, 12)), *kv = tg_randn(tg, TG_SHAPE(9, 2, 12)), *w = tg_randn(tg, TG_SHAPE(36, 12)), *b = tg_randn(tg, TG_SHAPE(36)), *out = tg_randn(tg, TG_SHAPE(12, 12)), *one = tg_randn(tg, TG_SHAPE(1, 1, 12)),
        *pad = tg_full(tg, TG_SHAPE(2, 9), 0, TG_BOOL), *mask = tg_randn(tg, TG_SHAPE(6, 7, 9)), *weights, *y, *z;
    tg_fill_(tg_narrow(tg_select(pad, 0, 1), 0, 6, 3), 1);
    y = tg_multi_head_attention_forward(x, kv, kv, .add_zero_attn = true, .attn_mask = mask, .bias_k = one, .bias_v = one, .in_proj_bias = b, .in_proj_weight = w, .key_padding_mask = pad, .num_heads = 3, .out_proj_weight = out, .weights = &weights);
    z = tg_multi_head_attention_forward(x, kv, kv, .add_zero_attn = true, .attn_mask = mask, .bias_k = one, .bias_v = one, .in_proj_bias = b, .in_proj_weight = w, .key_padding_mask = pad, .num_heads = 3, .out_proj_weight = out);
    CHECK(y && z && tg_item(tg_amax(tg_abs(tg_sub(y, z)))) < 1e-4);
    CHECK(weights && weights->ndim == 3 && weights->shape[0] == 2 && weights->shape[1] == 7 && weights->shape[2] == 11);
    CHECK(tg_item(tg_sum(tg_narrow(tg_select(weights, 0, 1), 1, 6, 3))) == 0);
    y = tg_multi_head_attention_forward(tg_select(x, 1, 0), tg_select(x, 1, 0), tg_select(x, 1, 0), .attn_mask = tg_logical_not(tg_tril(tg_full(tg, TG_SHAPE(7, 7), 1, TG_BOOL), 0)), .in_proj_weight = w, .is_causal = true, .num_heads = 3, .out_proj_weight = out, .weights = &weights);
    z = tg_multi_head_attention_forward(x, x, x, .attn_mask = tg_logical_not(tg_tril(tg_full(tg, TG_SHAPE(7, 7), 1, TG_BOOL), 0)), .in_proj_weight = w, .is_causal = true, .num_heads = 3, .out_proj_weight = out);
    CHECK(y && z && y->ndim == 2 && weights && weights->ndim == 2 && tg_item(tg_amax(tg_abs(tg_sub(y, tg_select(z, 1, 0))))) < 1e-4);
    CHECK_OK(tg);
    CHECK(!tg_multi_head_attention_forward(x, kv, kv, .in_proj_weight = w, .num_heads = 5, .out_proj_weight = out)); CHECK_ERROR(tg, TG_ERROR_VALUE);
    CHECK(!tg_multi_head_attention_forward(x, kv, x, .in_proj_weight = w, .num_heads = 3, .out_proj_weight = out)); CHECK_ERROR(tg, TG_ERROR_SHAPE);
    CHECK(!tg_multi_head_attention_forward(x, kv, kv, .num_heads = 3, .out_proj_weight = out)); CHECK_ERROR(tg, TG_ERROR_VALUE);
    CHECK(!tg_multi_head_attention_forward(x, kv, kv, .bias_k = one, .in_proj_weight = w, .num_heads = 3, .out_proj_weight = out)); CHECK_ERROR(tg, TG_ERROR_VALUE);
    x = tg_to(x, TG_F16);                     /* halves are made in f32, but operands of two types are refused all the same */
    CHECK(!tg_multi_head_attention_forward(x, x, x, .in_proj_weight = w, .num_heads = 3, .out_proj_weight = out)); CHECK_ERROR(tg, TG_ERROR_DTYPE);
    CHECK(!tg_multi_head_attention_forward(x, x, x, .in_proj_weight = tg_to(w, TG_F16), .num_heads = 3, .out_proj_weight = out)); CHECK_ERROR(tg, TG_ERROR_DTYPE);
    CHECK(!tg_multi_head_attention_forward(NULL, NULL, NULL, .in_proj_weight = w, .num_heads = 3, .out_proj_weight = out)); CHECK_ERROR(tg, TG_ERROR_NULL);
}

/* Every allocation fails in turn: tiles and few queries, forwards, back and back for the graph; many heads. */
static void memory(void) {
    test_heap heap = TEST_HEAP;
    int which, i;
    for (which = 0; which < 5; which++) for (heap.fail_at = 1; ; heap.fail_at++) {
        tg_ctx *own = test_open_heap(&heap);
        if (own) {
            const int64_t tq = which == 1 ? 2 : 70;
            tg_tensor *q = tg_require_grad(tg_rand(own, TG_SHAPE(1, 2, tq, 4)), true), *k = tg_require_grad(tg_rand(own, TG_SHAPE(1, 1, 80, 4)), true), *mask, *g[2] = { NULL, NULL }, *y, *weights = NULL, *in[2];
            bool ok;
            in[0] = q; in[1] = k;
            if (which < 3) {
                mask = which == 0 ? tg_require_grad(tg_to(tg_tril(tg_ones(own, TG_SHAPE(tq, 80)), 0), TG_F32), false) : NULL;
                y = tg_scaled_dot_product_attention(q, k, k, .attn_mask = mask, .dropout_p = which ? 0.5 : 0, .enable_gqa = true);
            } else {
                in[0] = q = tg_require_grad(tg_rand(own, TG_SHAPE(5, 2, 4)), true); in[1] = k = tg_require_grad(tg_rand(own, TG_SHAPE(12, 4)), true);
                mask = tg_zeros(own, TG_SHAPE(2, 5));
                y = tg_multi_head_attention_forward(q, q, q, .add_zero_attn = true, .in_proj_weight = k, .key_padding_mask = mask, .num_heads = 2, .out_proj_weight = tg_eye(own, 4), .weights = which == 3 ? &weights : NULL);
            }
            CHECK(y || !weights);
            y = y ? tg_sum(y) : NULL;
            ok = y && tg_grad(&y, 1, in, 2, g, .create_graph = which == 2);
            CHECK_MSG(ok ? !tg_failed(own) && g[0] && g[1] : tg_error(own) == TG_ERROR_MEMORY, "case %d, allocation %ld: %s", which, heap.fail_at, tg_error_text(own));
            for (i = 0; i < 2; i++) CHECK(ok || !g[i]);
            tg_close(own);
        }
        if (!test_heap_ended(&heap)) break;
    }
}

int main(void) {
    static const shape list[] = {
        { 1, 1, 1, 1, 1, 1, 1, NO_MASK, 0 }, { 2, 2, 2, 8, 8, 16, 16, CAUSAL, 0 }, { 1, 4, 2, 5, 9, 7, 3, BOOL_MASK, 0 }, { 1, 2, 1, 65, 63, 8, 20, CAUSAL, 0 }, { 1, 1, 1, 63, 65, 33, 17, NO_MASK, 0 },
        { 1, 2, 2, 130, 129, 8, 8, CAUSAL, 0 }, { 1, 1, 1, 70, 200, 5, 4, CAUSAL, 0 }, { 1, 2, 1, 200, 70, 4, 5, BOOL_MASK, 0 }, { 2, 2, 2, 66, 80, 12, 9, KEYS_MASK, 0 }, { 1, 2, 2, 67, 100, 6, 6, NUMBERS_MASK, 0 },
        { 1, 1, 1, 300, 270, 3, 2, CAUSAL, 0 }, { 1, 1, 1, 270, 520, 2, 3, NO_MASK, 0 },
        { 2, 6, 2, 1, 300, 64, 64, NO_MASK, 0 }, { 1, 6, 1, 3, 270, 20, 5, BOOL_MASK, 0 }, { 1, 2, 2, 4, 90, 9, 70, CAUSAL, 0 }, { 1, 20, 1, 1, 33, 8, 8, KEYS_MASK, 0 }, { 1, 1, 1, 2, 70, 65, 3, NUMBERS_MASK, 0 },
    };
    static const tg_dtype types[] = { TG_F32, TG_F64, TG_F16, TG_BF16 };
    const shape drops[] = { { 1, 2, 2, 5, 9, 4, 3, NO_MASK, 0.3 }, { 1, 4, 2, 70, 130, 4, 5, CAUSAL, 0.2 }, { 2, 2, 1, 66, 67, 8, 8, BOOL_MASK, 0.5 }, { 1, 2, 2, 2, 263, 8, 6, KEYS_MASK, 0.4 } };
    tg_ctx *tg = test_open();
    size_t i, k;
    for (i = 0; i < sizeof list / sizeof list[0]; i++) {
        for (k = 0; k < 4; k++) against_plain(tg, &list[i], types[k], (int)((i + k) % 4));
        against_formula(tg, &list[i], TG_F64);
        same_bits(&list[i]);
    }
    for (i = 0; i < sizeof drops / sizeof drops[0]; i++) { against_formula(tg, &drops[i], TG_F64); against_formula(tg, &drops[i], TG_F32); same_bits(&drops[i]); }
    dropped(tg);
    refused(tg);
    mask_gradient(tg);
    heads(tg);
    memory();
    test_close(tg);
    return test_end("attention");
}
