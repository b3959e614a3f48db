/* Convolutions in one to three dimensions, transposed ones, and their derivatives against plain loops in double: shapes, strides, paddings, dilations, groups, dtypes, memory orders; first and second order by differences;
   the same bits for any number of threads and for every instruction set with FMA; the messages.
   cc -O2 tests/test_conv.c -o test_conv -pthread && ./test_conv */
#ifndef TENSORGRAD_SOFT_FMA
#define TENSORGRAD_SOFT_FMA            /* strict mode on the plain pass too */
#endif
#include "test.h"

static uint64_t seed = 1;
static uint32_t next(void) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33);
}
static int64_t pick(int64_t low, int64_t high) { return low + (int64_t)(next() % (uint32_t)(high - low + 1)); }
static double real(void) { return (double)next() / 1073741824.0 - 1.0; }

typedef struct shape { int64_t n, c, h, w, o, kh, kw, s[2], p[2], d[2], groups; bool batched, bias; } shape;

static double root(double v) { double r = v > 1 ? v : 1; int i; for (i = 0; i < 60; i++) r = 0.5 * (r + v / r); return r; }

/* How the memory of a test tensor is laid out. */
enum { ROWS, LAST, TURNED, GAPS, BACK, ONE_VALUE, LAYOUTS };

/* A tensor with random values in some memory order; values[] gets what it holds, in row-major order. */
static tg_tensor *make(tg_ctx *tg, int ndim, const int64_t *dims, tg_dtype dtype, int layout, double **values) {
    int64_t perm[5], shaped[5], back[5], i, at;
    tg_tensor *t;
    int k;
    for (k = 0; k < ndim; k++) perm[k] = k;
    if (layout == LAST && ndim >= 3) { for (k = 0; k < ndim - 3; k++) perm[k] = k; perm[ndim - 3] = ndim - 2; perm[ndim - 2] = ndim - 1; perm[ndim - 1] = ndim - 3; }
    if (layout == TURNED) for (k = 0; k < ndim; k++) perm[k] = ndim - 1 - k;
    for (k = 0; k < ndim; k++) { shaped[k] = dims[perm[k]]; back[perm[k]] = k; }
    if (layout == GAPS) shaped[ndim - 1] *= 2;
    t = tg_empty(tg, ndim, shaped, TG_F64);
    for (i = 0; t && i < t->numel; i++) ((double *)t->data)[i] = real();
    t = tg_to(t, dtype);
    if (layout == GAPS) t = tg_slice_dim(t, ndim - 1, 0, shaped[ndim - 1], 2);
    else if (layout == BACK && t && t->numel) {               /* negative strides, by hand */
        tg_tensor *v = tg__alias(t);
        if (!v) return NULL;
        v->data = v->place = (char *)v->data + (v->shape[ndim - 1] - 1) * (int64_t)tg_dtype_size(dtype);
        v->stride[ndim - 1] = -1;
        t = tg__hold(tg, v);
    } else if (layout == ONE_VALUE) {
        int64_t ones[4] = { 1, 1, 1, 1 };
        t = tg_empty(tg, ndim, ones, TG_F64);
        *(double *)t->data = real();
        t = tg_expand(tg_to(t, dtype), ndim, dims);
    } else t = tg_permute(t, ndim, back);
    *values = (double *)malloc((size_t)(t ? t->numel + 1 : 1) * sizeof(double));
    for (i = 0; t && i < t->numel; i++) {
        int64_t rest = i, off = 0;
        for (k = ndim - 1; k >= 0; k--) { off += rest % dims[k] * t->stride[k]; rest /= dims[k]; }
        at = off * (int64_t)tg_dtype_size(dtype);
        (*values)[i] = tg__get_f64((const char *)t->data + at, dtype);
    }
    return t;
}

static double unit(tg_dtype d) { return d == TG_F64 ? 1.1102230246251565e-16 : d == TG_F32 ? 5.9604644775390625e-8 : d == TG_F16 ? 4.8828125e-4 : 3.90625e-3; }

/* got against the sums and the sums of magnitudes; terms: how many were added */
static bool close_to(tg_tensor *got, const double *want, const double *size, double terms) {
    double inner = got->dtype == TG_F64 ? unit(TG_F64) : unit(TG_F32), low = got->dtype == TG_F16 ? 6e-8 : 1e-30;
    int64_t i;
    int k;
    for (i = 0; i < got->numel; i++) {
        int64_t rest = i, off = 0;
        double v, bound = (2 * root(terms) + 4) * inner * size[i] + low, e;
        for (k = got->ndim - 1; k >= 0; k--) { off += rest % got->shape[k] * got->stride[k]; rest /= got->shape[k]; }
        v = tg__get_f64((const char *)got->data + off * (int64_t)tg_dtype_size(got->dtype), got->dtype);
        if (got->dtype != TG_F64 && got->dtype != TG_F32) bound += 1.01 * unit(got->dtype) * (want[i] < 0 ? -want[i] : want[i]);
        e = v - want[i];
        if (!(e <= bound && -e <= bound)) { printf("element %d: %g, expected %g, bound %g\n", (int)i, v, want[i], bound); return false; }
    }
    return true;
}

static void describe(const shape *s, tg_dtype t, const int *layout) {
    printf("  n %d c %d h %d w %d o %d k %dx%d s %d,%d p %d,%d d %d,%d g %d batched %d bias %d %s layouts %d %d %d\n", (int)s->n, (int)s->c, (int)s->h, (int)s->w, (int)s->o, (int)s->kh, (int)s->kw,
           (int)s->s[0], (int)s->s[1], (int)s->p[0], (int)s->p[1], (int)s->d[0], (int)s->d[1], (int)s->groups, s->batched, s->bias, tg_dtype_name(t), layout[0], layout[1], layout[2]);
}

static tg_tensor *call(tg_tensor *x, tg_tensor *w, tg_tensor *b, const shape *s) {
    tg_conv2d_args a;
    int i;
    memset(&a, 0, sizeof a);
    a.x = x; a.weight = w; a.bias = b; a.groups = s->groups;
    for (i = 0; i < 2; i++) { a.stride[i] = s->s[i]; a.padding[i] = s->p[i]; a.dilation[i] = s->d[i]; }
    return tg_conv2d_from(&a);
}

static uint64_t hash(uint64_t h, tg_tensor *t) {
    int64_t i;
    tg_tensor *c = tg_contiguous(t);
    for (i = 0; c && i < c->numel * (int64_t)tg_dtype_size(c->dtype); i++) h = (h ^ ((const uint8_t *)c->data)[i]) * 1099511628211u;
    return h;
}

/* One case: result and all gradients. With `compare` against plain loops. Returns a hash of all bits. */
static uint64_t one(tg_ctx *tg, const shape *s, tg_dtype type, const int *layout, bool compare) {
    tg_mark m = tg_begin(tg);
    const int64_t xd[4] = { s->n, s->c, s->h, s->w }, wd[4] = { s->o, s->c / s->groups, s->kh, s->kw }, bd[1] = { s->o };
    const int64_t oh = (s->h + 2 * s->p[0] - s->d[0] * (s->kh - 1) - 1) / s->s[0] + 1, ow = (s->w + 2 * s->p[1] - s->d[1] * (s->kw - 1) - 1) / s->s[1] + 1;
    const int64_t yd[4] = { s->n, s->o, oh, ow }, cg = s->c / s->groups, og = s->o / s->groups, d = s->batched ? 0 : 1;
    double *xv, *wv, *bv = NULL, *gv, *sums;
    tg_tensor *x = make(tg, (int)(4 - d), xd + d, type, layout[0], &xv), *w = make(tg, 4, wd, type, layout[1], &wv);
    tg_tensor *b = s->bias ? make(tg, 1, bd, type, layout[1] == GAPS ? GAPS : ROWS, &bv) : NULL;
    tg_tensor *g = make(tg, (int)(4 - d), yd + d, type, layout[2], &gv), *y, *in[3], *dx[3];
    uint64_t h = 14695981039346656037u;
    int i;
    x = tg_require_grad(tg_detach(x), true); w = tg_require_grad(tg_detach(w), true);
    if (b) b = tg_require_grad(tg_detach(b), true);
    in[0] = x; in[1] = w; in[2] = b;
    y = call(x, w, b, s);
    dx[0] = dx[1] = dx[2] = NULL;
    if (y) {
        tg_grad_args ga;
        memset(&ga, 0, sizeof ga);
        ga.outputs = &y; ga.n_outputs = 1; ga.inputs = in; ga.n_inputs = b ? 3 : 2; ga.gradients = dx; ga.grad_outputs = &g;
        tg_grad_from(&ga);
    }
    if (tg_failed(tg)) { printf("error: %s\n", tg_error_text(tg)); describe(s, type, layout); test_failed++; tg_clear(tg); tg_end(tg, m); free(xv); free(wv); free(bv); free(gv); return 0; }
    h = hash(hash(hash(h, y), dx[0]), dx[1]);
    if (compare) {
        const int64_t ny = s->n * s->o * oh * ow, nx = s->n * s->c * s->h * s->w, nw = s->o * cg * s->kh * s->kw;
        double *ry, *my, *rx, *mx, *rw, *mw, *rb, *mb;
        int64_t n, o, c, q, r, a, e;
        const bool same = layout[0] == ONE_VALUE || layout[1] == ONE_VALUE || layout[2] == ONE_VALUE;     /* then roundings do not cancel: the bound is linear */
        const double f = same ? (double)(cg * s->kh * s->kw) * 0.25 + 1 : 1, fx = same ? (double)(og * s->kh * s->kw) * 0.25 + 1 : 1, fw = same ? (double)(s->n * oh * ow) * 0.25 + 1 : 1;
        bool ok;
        sums = (double *)calloc((size_t)(2 * (ny + nx + nw + s->o) + 1), sizeof(double));
        ry = sums; my = ry + ny; rx = my + ny; mx = rx + nx; rw = mx + nx; mw = rw + nw; rb = mw + nw; mb = rb + s->o;
        for (n = 0; n < s->n; n++)
            for (o = 0; o < s->o; o++)
                for (q = 0; q < oh; q++)
                    for (r = 0; r < ow; r++) {
                        const int64_t at = ((n * s->o + o) * oh + q) * ow + r;
                        if (b) { ry[at] = bv[o]; my[at] = bv[o] < 0 ? -bv[o] : bv[o]; }
                        rb[o] += gv[at]; mb[o] += gv[at] < 0 ? -gv[at] : gv[at];
                        for (c = 0; c < cg; c++)
                            for (a = 0; a < s->kh; a++)
                                for (e = 0; e < s->kw; e++) {
                                    const int64_t iy = q * s->s[0] + a * s->d[0] - s->p[0], ix = r * s->s[1] + e * s->d[1] - s->p[1];
                                    int64_t xi, wi;
                                    double t;
                                    if (iy < 0 || iy >= s->h || ix < 0 || ix >= s->w) continue;
                                    xi = ((n * s->c + o / og * cg + c) * s->h + iy) * s->w + ix;
                                    wi = ((o * cg + c) * s->kh + a) * s->kw + e;
                                    t = xv[xi] * wv[wi]; ry[at] += t; my[at] += t < 0 ? -t : t;
                                    t = gv[at] * wv[wi]; rx[xi] += t; mx[xi] += t < 0 ? -t : t;
                                    t = gv[at] * xv[xi]; rw[wi] += t; mw[wi] += t < 0 ? -t : t;
                                }
                    }
        ok = close_to(y, ry, my, f * (double)(cg * s->kh * s->kw)) || (printf("  result\n"), false);
        ok = (close_to(dx[0], rx, mx, fx * (double)(og * s->kh * s->kw)) || (printf("  by data\n"), false)) && ok;
        ok = (close_to(dx[1], rw, mw, fw * (double)(s->n * oh * ow)) || (printf("  by weight\n"), false)) && ok;
        if (b) ok = (close_to(dx[2], rb, mb, fw * (double)(s->n * oh * ow)) || (printf("  by bias\n"), false)) && ok;
        for (i = 0; i < y->ndim; i++) ok = ok && y->shape[i] == yd[d + i];
        if (layout[0] == LAST && s->c > 1 && s->o > 1 && s->h > 1 && s->w > 1 && y->numel) ok = ok && y->stride[y->ndim - 3] == 1;
        if (layout[0] == ROWS) ok = ok && tg_is_contiguous(y);
        free(sums);
        if (!ok) describe(s, type, layout);
        CHECK(ok);
    }
    free(xv); free(wv); free(bv); free(gv);
    tg_end(tg, m);
    return h;
}

static shape any(void) {
    shape s;
    int i;
    const bool deep = next() % 8 == 0;
    s.groups = next() % 3 ? 1 : pick(1, 4);
    s.n = pick(1, 3); s.batched = next() % 5 != 0;
    if (!s.batched) s.n = 1;
    s.c = s.groups * (deep ? pick(20, 70) : next() % 3 ? pick(1, 3) : pick(1, 9)); s.o = s.groups * (deep ? pick(1, 40) : next() % 3 ? pick(1, 9) : pick(1, 3));
    s.kh = pick(1, 4); s.kw = next() % 2 ? s.kh : pick(1, 4);
    for (i = 0; i < 2; i++) {
        s.s[i] = next() % 2 ? 1 : pick(1, 4);
        s.p[i] = next() % 3 ? pick(0, 2) : next() % 4 ? 0 : pick(0, 6);
        s.d[i] = next() % 3 ? 1 : pick(1, 3);
    }
    s.h = pick(1, 12); s.w = next() % 3 ? pick(1, 12) : pick(1, 60);
    if (s.h + 2 * s.p[0] < s.d[0] * (s.kh - 1) + 1) s.h = s.d[0] * (s.kh - 1) + 1 + pick(0, 3);
    if (s.w + 2 * s.p[1] < s.d[1] * (s.kw - 1) + 1) s.w = s.d[1] * (s.kw - 1) + 1 + pick(0, 3);
    s.bias = next() % 2 != 0;
    return s;
}

/* n, c, h, w, o, k, stride, padding, groups: sizes of several chunks, units and parts */
static const int16_t larger[][9] = {
    { 2, 64, 20, 20, 48, 3, 1, 1, 1 }, { 3, 3, 64, 64, 20, 7, 2, 3, 1 }, { 2, 32, 40, 40, 32, 3, 1, 1, 32 }, { 17, 3, 32, 32, 32, 3, 1, 1, 1 }, { 5, 200, 14, 14, 100, 1, 1, 0, 1 },
    { 2, 64, 28, 28, 128, 3, 2, 1, 1 }, { 40, 6, 14, 14, 16, 5, 1, 0, 1 }, { 33, 1, 28, 28, 6, 5, 1, 2, 1 }, { 2, 520, 7, 7, 70, 3, 1, 1, 1 }, { 1, 600, 9, 9, 40, 1, 1, 0, 1 }, { 2, 64, 30, 30, 64, 3, 1, 1, 8 },
    { 2, 3, 64, 64, 40, 16, 16, 0, 1 }, { 9, 24, 33, 33, 24, 3, 2, 1, 24 }, { 4, 16, 16, 16, 32, 1, 2, 0, 1 }, { 3, 24, 10, 12, 36, 1, 1, 0, 4 }, { 2, 8, 1, 50, 6, 1, 1, 0, 1 }, { 2, 8, 50, 1, 6, 1, 1, 0, 2 }, { 8, 16, 32, 32, 32, 1, 2, 0, 1 },
    { 3, 70, 21, 21, 66, 3, 1, 1, 1 }, { 12, 33, 17, 40, 40, 3, 1, 0, 1 }, { 2, 64, 33, 34, 128, 3, 1, 1, 2 }
};
enum { LARGER = (int)(sizeof larger / sizeof larger[0]) };

static void bits(tg_isa isa, bool strict, uint64_t *h, int n_cases, int threads) {
    tg_config c;
    tg_ctx *tg;
    int i;
    memset(&c, 0, sizeof c);
    c.isa = isa; c.strict = strict; c.hooks.log = test_quiet; c.threads = threads;
    tg = tg_open(&c);
    for (i = 0; i < n_cases; i++) {
        shape s = (seed = 77 + (uint64_t)i, any());
        static const tg_dtype types[4] = { TG_F32, TG_F64, TG_F16, TG_BF16 };
        int layout[3];
        layout[0] = (int)pick(0, 2); layout[1] = (int)pick(0, 2); layout[2] = (int)pick(0, 2);
        if (i < LARGER) {
            const int16_t *l = larger[i];
            if (isa == TG_ISA_PLAIN && i != 4 && i != 6) { h[i] = 0; continue; }
            s.n = l[0]; s.c = l[1]; s.h = l[2]; s.w = l[3]; s.o = l[4]; s.kh = s.kw = l[5]; s.s[0] = s.s[1] = l[6]; s.p[0] = s.p[1] = l[7]; s.groups = l[8];
            s.d[0] = s.d[1] = 1; s.batched = true; layout[0] = layout[1] = layout[2] = ROWS;
        }
        h[i] = tg ? one(tg, &s, i < LARGER ? TG_F32 : types[next() % 4], layout, false) : 0;
    }
    tg_close(tg);
}

/* Winograd's tiles, again and again: threads that write beside each other leave each other's numbers alone. */
static void beside(tg_isa isa) {
    tg_config c = test_config(NULL);
    tg_ctx *tg[2];
    int i, k, same = 0;
    c.isa = isa;
    for (k = 0; k < 2; k++) { c.threads = k ? 3 : 1; tg[k] = tg_open(&c); }
    for (i = 0; i < 200 && CHECK(tg[0] && tg[1]); i++) {
        tg_tensor *g[2] = { NULL, NULL };
        tg_mark m[2];
        for (k = 0; k < 2; k++) {
            m[k] = tg_begin(tg[k]);
            tg_seed(tg[k], 1);
            g[k] = tg_conv_transpose2d(tg_randn(tg[k], TG_SHAPE(1, 64 + 32 * (i % 2), 6, 6)), tg_randn(tg[k], TG_SHAPE(64 + 32 * (i % 2), 32 + 16 * (i % 3), 3, 3)), NULL, .padding = { 1, 1 });
        }
        same += g[0] && g[1] && memcmp(g[0]->data, g[1]->data, (size_t)g[0]->numel * sizeof(float)) == 0;
        for (k = 0; k < 2; k++) tg_end(tg[k], m[k]);
    }
    CHECK_INT(same, 200);
    for (k = 0; k < 2; k++) tg_close(tg[k]);
}

/* Gradients by weight from Winograd's tiles against those of double, which are added directly: odd sizes, groups, depths, channels last; several parts and steps. */
static void weights_of_tiles(tg_ctx *tg) {
    static const int16_t sizes[][7] = {                              /* n, c, h, w, o, padding, groups */
        { 2, 33, 24, 23, 41, 1, 1 }, { 1, 64, 33, 34, 128, 0, 2 }, { 5, 70, 15, 17, 36, 2, 1 }, { 9, 32, 43, 44, 32, 1, 1 }, { 1, 160, 33, 33, 130, 1, 1 }, { 40, 32, 3, 11, 32, 1, 1 }, { 3, 40, 30, 31, 32, 0, 1 } };
    size_t i;
    int k;
    for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) for (k = 0; k < 3; k++) {
        const int16_t *l = sizes[i];
        tg_mark m = tg_begin(tg);
        tg_tensor *x = tg_randn(tg, TG_SHAPE(l[0], l[1], l[2], l[3])), *w = tg_require_grad(tg_randn(tg, TG_SHAPE(l[4], l[1] / l[6], 3, 3)), true), *y, *g, *noise = NULL, *got[2], *in[1], *far;
        int t;
        for (t = 0; t < 2; t++) {
            if (t) { x = tg_to(x, TG_F64); w = tg_require_grad(tg_to(tg_detach(w), TG_F64), true); }
            if (k == 1) x = tg_permute(tg_contiguous(tg_permute(x, TG_DIMS(0, 2, 3, 1))), TG_DIMS(0, 3, 1, 2));
            y = k < 2 ? tg_conv2d(x, w, NULL, .padding = { l[5], l[5] }, .groups = l[6]) :
                tg_conv3d(tg_reshape(x, TG_SHAPE(1, l[1], l[0], l[2], l[3])), tg_unsqueeze(w, 2), NULL, .padding = { 0, l[5], l[5] }, .groups = l[6]);
            if (!t && y) noise = tg_randn_like(tg_detach(y));
            g = t ? tg_to(noise, TG_F64) : noise;
            if (k == 1) g = tg_permute(tg_contiguous(tg_permute(g, TG_DIMS(0, 2, 3, 1))), TG_DIMS(0, 3, 1, 2));
            if (k == 0 && i == 3 && g) g = tg_expand(tg_narrow(g, 2, 0, 1), 4, y->shape);                              /* one row for all */
            in[0] = w;
            if (!CHECK(tg_grad(&y, 1, in, 1, &got[t], .grad_outputs = &g))) break;
        }
        if (t < 2) { tg_end(tg, m); continue; }
        far = tg_amax(tg_abs(tg_sub(tg_to(got[0], TG_F64), got[1])));
        CHECK_MSG(far && tg_item(far) < 1e-5 * tg_item(tg_std(got[1], 1)), "%d %d: %g of %g", (int)i, k, tg_item(far), tg_item(tg_std(got[1], 1)));
        tg_end(tg, m);
    }
}

/* ---- gradients by differences ---- */
static bool conv_call(void *user, tg_tensor *const *in, int n_in, tg_tensor **out, int n_out) {
    (void)n_out;
    out[0] = call(in[0], in[1], n_in > 2 ? in[2] : NULL, (const shape *)user);
    return out[0] != NULL;
}
static bool input_call(void *user, tg_tensor *const *in, int n_in, tg_tensor **out, int n_out) {
    (void)n_in; (void)n_out;
    out[0] = tg__apply(&tg__conv_transpose2d_op, user, NULL, in[0], in[1], NULL);
    return out[0] != NULL;
}
static bool weight_call(void *user, tg_tensor *const *in, int n_in, tg_tensor **out, int n_out) {
    (void)n_in; (void)n_out;
    out[0] = tg__apply(&tg__conv2d_weight_op, user, NULL, in[0], in[1]);
    return out[0] != NULL;
}
static bool check(tg_function f, void *user, tg_tensor *const *in, int n_in) {
    tg_function_call c;
    tg_gradcheck_args a;
    memset(&c, 0, sizeof c); memset(&a, 0, sizeof a);
    c.f = f; c.user = user; c.inputs = in; c.n_inputs = n_in; c.n_outputs = 1;
    a.call = &c; a.second = true;
    return tg_gradcheck_from(&a);
}
static void gradients(tg_ctx *tg) {
    int i, k;
    for (i = 0; i < 12; i++) {
        tg_mark m = tg_begin(tg);
        shape s = any();
        const int64_t d = s.batched ? 0 : 1;
        tg__conv_attr at, aw;
        tg_tensor *in[3], *y;
        double *v;
        s.c = s.groups * pick(1, 2); s.o = s.groups * pick(1, 2); s.n = s.batched ? 2 : 1;
        if (s.h > 5 && s.h + 2 * s.p[0] - 3 > s.d[0] * (s.kh - 1) + 1) s.h -= 3;
        if (s.w > 9 && 9 + 2 * s.p[1] > s.d[1] * (s.kw - 1)) s.w = 9;
        {
            const int64_t xd[4] = { s.n, s.c, s.h, s.w }, wd[4] = { s.o, s.c / s.groups, s.kh, s.kw }, bd[1] = { s.o };
            in[0] = make(tg, (int)(4 - d), xd + d, TG_F64, ROWS, &v); free(v);
            in[1] = make(tg, 4, wd, TG_F64, ROWS, &v); free(v);
            in[2] = make(tg, 1, bd, TG_F64, ROWS, &v); free(v);
        }
        for (k = 0; k < 3; k++) in[k] = tg_require_grad(tg_detach(in[k]), true);
        y = call(in[0], in[1], in[2], &s);
        CHECK(check(conv_call, &s, in, 3));
        memset(&at, 0, sizeof at);
        for (k = 0; k < 2; k++) { at.stride[k] = s.s[k]; at.padding[k] = s.p[k]; at.dilation[k] = s.d[k]; at.size[k] = in[0]->shape[in[0]->ndim - 2 + k]; }
        at.dims = 2; at.groups = s.groups;
        aw = at;
        aw.size[0] = s.kh; aw.size[1] = s.kw;
        if (y) {
            tg_tensor *gx[2], *gw[2];
            gx[0] = tg_require_grad(tg_detach(y), true); gx[1] = in[1];
            gw[0] = gx[0]; gw[1] = in[0];
            CHECK(check(input_call, &at, gx, 2));
            CHECK(check(weight_call, &aw, gw, 2));
        }
        if (tg_failed(tg)) { static const int none[3] = { 0, 0, 0 }; printf("  %s\n", tg_error_text(tg)); describe(&s, TG_F64, none); tg_clear(tg); }
        tg_end(tg, m);
    }
}

/* ---- in one to three dimensions, and transposed: results and all gradients against plain loops ---- */
typedef struct deep { int dims; int64_t n, c, o, x[3], k[3], y[3], stride[3], padding[3], more[3], dilation[3], groups; bool same, transposed, bias; } deep;
static int64_t places(const int64_t *size) { return size[0] * size[1] * size[2]; }
static int64_t part(int64_t flat, const int64_t *size, int d) { return d == 2 ? flat % size[2] : d == 1 ? flat / size[2] % size[1] : flat / size[2] / size[1]; }
/* The place of x that place q of y meets through tap a, or -1. */
static int64_t meets(const deep *s, int64_t q, int64_t a) {
    int64_t at = 0;
    int d;
    for (d = 0; d < 3; d++) {
        const int64_t p = part(q, s->y, d) * s->stride[d] + part(a, s->k, d) * s->dilation[d] - s->padding[d];
        if (p < 0 || p >= s->x[d]) return -1;
        at = at * s->x[d] + p;
    }
    return at;
}
static tg_tensor *deep_call(const deep *s, tg_tensor *x, tg_tensor *w, tg_tensor *b) {
    const int64_t *st = s->stride, *pa = s->padding, *di = s->dilation, *mo = s->more;
    int64_t zero[3] = { 0, 0, 0 };
    if (s->same) pa = zero;
    if (s->dims == 1) return s->transposed ? tg_conv_transpose1d(x, w, b, .stride = st[2], .padding = pa[2], .dilation = di[2], .groups = s->groups, .output_padding = mo[2])
        : tg_conv1d(x, w, b, .stride = st[2], .padding = pa[2], .dilation = di[2], .groups = s->groups, .same = s->same);
    if (s->dims == 2) return s->transposed ? tg_conv_transpose2d(x, w, b, .stride = { st[1], st[2] }, .padding = { pa[1], pa[2] }, .dilation = { di[1], di[2] }, .groups = s->groups, .output_padding = { mo[1], mo[2] })
        : tg_conv2d(x, w, b, .stride = { st[1], st[2] }, .padding = { pa[1], pa[2] }, .dilation = { di[1], di[2] }, .groups = s->groups, .same = s->same);
    return s->transposed ? tg_conv_transpose3d(x, w, b, .stride = { st[0], st[1], st[2] }, .padding = { pa[0], pa[1], pa[2] }, .dilation = { di[0], di[1], di[2] }, .groups = s->groups, .output_padding = { mo[0], mo[1], mo[2] })
        : tg_conv3d(x, w, b, .stride = { st[0], st[1], st[2] }, .padding = { pa[0], pa[1], pa[2] }, .dilation = { di[0], di[1], di[2] }, .groups = s->groups, .same = s->same);
}
/* y is the smaller side: the convolution's result, or what a transposed one reads. */
static deep any_deep(void) {
    deep s;
    int d;
    memset(&s, 0, sizeof s);
    s.dims = (int)pick(1, 3);
    s.groups = pick(1, 2); s.n = pick(1, 2); s.c = s.groups * pick(1, 3); s.o = s.groups * pick(1, 5);
    s.transposed = pick(0, 1) == 1; s.same = !s.transposed && pick(0, 2) == 0; s.bias = pick(0, 1) == 1;
    for (d = 0; d < 3; d++) {
        const bool there = d >= 3 - s.dims;
        int64_t reach;
        s.stride[d] = there && !s.same ? pick(1, 3) : 1; s.dilation[d] = there ? pick(1, 2) : 1; s.k[d] = there ? pick(1, 4) : 1;
        reach = s.dilation[d] * (s.k[d] - 1);
        s.padding[d] = s.same ? reach / 2 : there ? pick(0, reach / 2) : 0;
        if (s.transposed) {
            s.y[d] = there ? pick(1, 5) : 1;
            s.more[d] = there ? pick(0, (s.stride[d] > s.dilation[d] ? s.stride[d] : s.dilation[d]) - 1) : 0;
            s.x[d] = (s.y[d] - 1) * s.stride[d] - 2 * s.padding[d] + reach + s.more[d] + 1;
        } else {
            s.x[d] = there ? pick(1, 9) : 1;
            if (!s.same && s.x[d] + 2 * s.padding[d] <= reach) s.x[d] = reach + 1;
            s.y[d] = s.same ? s.x[d] : (s.x[d] + 2 * s.padding[d] - reach - 1) / s.stride[d] + 1;
        }
    }
    return s;
}
static void one_deep(tg_ctx *tg, const deep *s, int layout, bool batched) {
    const int dims = s->dims;
    const int64_t n = batched ? s->n : 1, nx = places(s->x), ny = places(s->y), nk = places(s->k), cg = s->c / s->groups, og = s->o / s->groups;
    int64_t xd[5], yd[5], wd[5], bd[1], i, o, c, q, a;
    double *xv, *yv, *wv, *bv, *rx = (double *)calloc((size_t)(n * s->c * nx), 8), *ry = (double *)calloc((size_t)(n * s->o * ny), 8), *rw = (double *)calloc((size_t)(s->o * cg * nk), 8);
    tg_tensor *x, *y, *w, *b, *in[3], *g[3] = { NULL, NULL, NULL }, *out, *seed;
    int d;
    tg_mark m = tg_begin(tg);
    xd[0] = yd[0] = n; xd[1] = s->c; yd[1] = s->o; wd[0] = s->o; wd[1] = cg; bd[0] = s->transposed ? s->c : s->o;
    for (d = 0; d < dims; d++) { xd[2 + d] = s->x[3 - dims + d]; yd[2 + d] = s->y[3 - dims + d]; wd[2 + d] = s->k[3 - dims + d]; }
    x = make(tg, dims + 1 + batched, xd + !batched, TG_F64, layout, &xv);
    y = make(tg, dims + 1 + batched, yd + !batched, TG_F64, ROWS, &yv);
    w = make(tg, dims + 2, wd, TG_F64, layout == LAST ? ROWS : layout, &wv);
    b = make(tg, 1, bd, TG_F64, ROWS, &bv);
    for (i = 0; i < n; i++) for (o = 0; o < s->o; o++) for (c = 0; c < cg; c++) for (q = 0; q < ny; q++) for (a = 0; a < nk; a++) {
        const int64_t p = meets(s, q, a), at_x = (i * s->c + o / og * cg + c) * nx + p, at_y = (i * s->o + o) * ny + q, at_w = (o * cg + c) * nk + a;
        if (p < 0) continue;
        ry[at_y] += xv[at_x] * wv[at_w]; rx[at_x] += yv[at_y] * wv[at_w]; rw[at_w] += xv[at_x] * yv[at_y];
    }
    in[0] = tg_require_grad(tg_detach(s->transposed ? y : x), true); in[1] = tg_require_grad(tg_detach(w), true); in[2] = tg_require_grad(tg_detach(b), true);
    seed = s->transposed ? x : y;
    out = deep_call(s, in[0], in[1], s->bias ? in[2] : NULL);
    if (CHECK_MSG(out && tg_grad(&out, 1, in, s->bias ? 3 : 2, g, .grad_outputs = &seed), "%s", tg_error_text(tg))) {
        const int64_t bias_at = s->bias ? n * (s->transposed ? s->c * nx : s->o * ny) : 0, each = s->transposed ? nx : ny;
        tg_tensor *flat = tg_contiguous(out), *ga = tg_contiguous(g[0]), *gw = tg_contiguous(g[1]), *gb = g[2] ? tg_contiguous(g[2]) : NULL;
        const double *want = s->transposed ? rx : ry, *want_g = s->transposed ? ry : rx;
        bool ok = flat->numel == seed->numel && flat->ndim == seed->ndim;
        for (i = 0; ok && i < flat->numel; i++) { const double e = ((double *)flat->data)[i] - want[i] - (i < bias_at ? bv[i / each % bd[0]] : 0); ok = e < 1e-12 && e > -1e-12; }
        for (i = 0; ok && i < ga->numel; i++) { const double e = ((double *)ga->data)[i] - want_g[i]; ok = e < 1e-12 && e > -1e-12; }
        for (i = 0; ok && i < gw->numel; i++) { const double e = ((double *)gw->data)[i] - rw[i]; ok = e < 1e-12 && e > -1e-12; }
        if (gb) ok = ok && tg_allclose(gb, dims == 1 ? tg_sum_dims(batched ? seed : tg_unsqueeze(seed, 0), TG_DIMS(0, 2), false) : dims == 2 ? tg_sum_dims(batched ? seed : tg_unsqueeze(seed, 0), TG_DIMS(0, 2, 3), false)
            : tg_sum_dims(batched ? seed : tg_unsqueeze(seed, 0), TG_DIMS(0, 2, 3, 4), false), 1e-12, 1e-12);
        CHECK_MSG(ok, "%d dimensions, n %d c %d o %d groups %d, transposed %d, same %d, layout %d, batched %d", dims, (int)n, (int)s->c, (int)s->o, (int)s->groups, s->transposed, s->same, layout, batched);
    }
    tg_clear(tg);
    tg_end(tg, m);
    free(xv); free(yv); free(wv); free(bv); free(rx); free(ry); free(rw);
}
static void in_dimensions(tg_ctx *tg) {
    int i;
    for (i = 0; i < 400; i++) { const deep s = any_deep(); one_deep(tg, &s, (int)pick(0, GAPS), pick(0, 3) > 0); }
}

/* ---- strides do not choose the bits: a 1 x 1 kernel over a view whose rows do not run on, and over its copy ---- */
/* Many channels, few positions: by fewer products, and planes of their own for columns of taps. n, c, h, w, o, k, stride, padding, groups */
static void small_pictures(tg_ctx *tg) {
    static const int16_t sizes[][9] = {
        { 2, 33, 9, 7, 41, 3, 1, 1, 1 }, { 1, 64, 4, 4, 40, 3, 1, 2, 1 }, { 3, 40, 5, 12, 36, 3, 1, 0, 1 }, { 5, 70, 3, 40, 70, 3, 1, 1, 2 }, { 1, 150, 6, 6, 300, 3, 1, 1, 1 },
        { 7, 20, 4, 4, 24, 3, 1, 1, 1 }, { 6, 30, 8, 8, 12, 3, 2, 1, 1 }, { 9, 24, 2, 2, 40, 3, 1, 1, 1 }, { 17, 12, 7, 5, 20, 5, 2, 2, 2 }, { 5, 16, 9, 9, 33, 1, 2, 0, 1 }, { 2, 30, 6, 6, 30, 4, 2, 1, 1 },
        /* channel by channel */
        { 2, 19, 13, 14, 19, 3, 1, 1, 19 }, { 3, 17, 9, 31, 17, 3, 2, 1, 17 }, { 2, 12, 5, 70, 12, 3, 1, 0, 12 }, { 1, 10, 23, 33, 10, 3, 2, 0, 10 }, { 2, 9, 3, 3, 9, 3, 1, 3, 9 }, { 1, 6, 40, 8, 6, 3, 2, 3, 6 },
        { 1, 5, 100, 40, 5, 3, 1, 1, 5 }, { 1, 3, 16, 90, 3, 3, 2, 1, 3 }
    };
    static const tg_dtype types[4] = { TG_F32, TG_F64, TG_F16, TG_BF16 };
    size_t i;
    int k;
    for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (k = 0; k < 2 * LAYOUTS; k++) {
            const int16_t *l = sizes[i];
            int layout[3];
            shape s;
            s.n = l[0]; s.c = l[1]; s.h = l[2]; s.w = l[3]; s.o = l[4]; s.kh = s.kw = l[5]; s.s[0] = s.s[1] = l[6]; s.p[0] = s.p[1] = l[7]; s.groups = l[8];
            s.d[0] = s.d[1] = 1; s.batched = true; s.bias = k & 1;
            layout[0] = k % LAYOUTS; layout[1] = (k + 1) % LAYOUTS; layout[2] = k / 2;
            one(tg, &s, types[k < LAYOUTS ? 0 : k % 4], layout, true);
        }
}
/* A convolution whose weight keeps its panels, and that clamps its result, has the bits of one that does neither, and of tg_clamp. */
static bool alike(tg_tensor *a, tg_tensor *b) {
    int64_t i;
    a = tg_to(a, TG_F64); b = tg_to(b, TG_F64);
    for (i = 0; a && b && i < a->numel; i++) {
        const double x = ((const double *)a->data)[i], y = ((const double *)b->data)[i];
        if (!(x == y || (x != x && y != y))) return false;
    }
    return a && b;
}
static void kept_and_clamped(tg_ctx *tg) {
    static const int16_t sizes[][9] = {                              /* n, c, h, w, o, k, stride, padding, groups */
        { 1, 40, 7, 7, 64, 1, 1, 0, 1 }, { 2, 600, 7, 7, 48, 1, 1, 0, 1 }, { 1, 1100, 7, 7, 80, 1, 1, 0, 1 }, { 3, 512, 3, 6, 160, 1, 1, 0, 1 }, { 1, 600, 14, 14, 96, 1, 1, 0, 1 }, { 1, 24, 40, 40, 144, 1, 1, 0, 1 },
        { 1, 300, 5, 5, 16, 1, 1, 0, 1 }, { 2, 21, 14, 14, 21, 3, 1, 1, 21 }, { 1, 40, 17, 29, 40, 3, 2, 1, 40 }, { 1, 40, 12, 12, 40, 3, 1, 1, 1 }, { 1, 5, 12, 12, 9, 3, 1, 1, 1 }, { 1, 30, 12, 12, 9, 5, 2, 1, 3 },
        { 3, 101, 9, 9, 96, 3, 2, 1, 1 }, { 2, 80, 7, 7, 64, 5, 1, 2, 1 }, { 1, 512, 14, 14, 256, 1, 2, 0, 1 }, { 1, 64, 28, 28, 112, 3, 2, 0, 1 }, { 1, 600, 6, 6, 32, 3, 2, 1, 1 },
        { 1, 2048, 7, 7, 16, 3, 2, 0, 1 } };                            /* a reduction */
    static const tg_dtype types[3] = { TG_F32, TG_F64, TG_F16 };
    static const double clamp[2] = { 0, 6 };
    size_t i;
    int k;
    const bool was = tg_grad_mode(tg, false);
    for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) for (k = 0; k < 6; k++) {
        const int16_t *l = sizes[i];
        const int64_t st[2] = { l[6], l[6] }, pa[2] = { l[7], l[7] }, di[2] = { 1, 1 };
        tg_mark m = tg_begin(tg);
        tg_place here;
        tg_tensor *x = tg_to(tg_randn(tg, TG_SHAPE(l[0], l[1], l[2], l[3])), types[k / 2]), *w = tg_to(tg_randn(tg, TG_SHAPE(l[4], l[1] / l[8], l[5], l[5])), types[k / 2]),
            *b = k % 2 ? tg_to(tg_randn(tg, TG_SHAPE(l[4])), types[k / 2]) : NULL, *kept = tg_clone(w), *y, *z;
        memset(&here, 0, sizeof here);
        if (x && types[k / 2] == TG_F32) ((float *)x->data)[x->numel / 2] = (float)tg__double(0x7ff8000000000000u);
        if (kept) kept->keeps_packed = true;
        y = tg__convolved(here, x, w, b, 2, st, pa, di, l[8], false, NULL);
        z = tg__convolved(here, x, kept, b, 2, st, pa, di, l[8], false, NULL);
        CHECK_MSG(alike(y, z), "kept %d %d", (int)i, k);
        z = tg__convolved(here, x, kept, b, 2, st, pa, di, l[8], false, NULL);
        CHECK_MSG(alike(y, z), "kept, once more %d %d", (int)i, k);
        z = tg__convolved(here, x, kept, b, 2, st, pa, di, l[8], false, clamp);
        CHECK_MSG(alike(tg_clamp(y, 0, 6), z), "clamped %d %d", (int)i, k);
        if (kept && l[5] == 1) {                                         /* the same memory as a weight of another layer, whose sums have other blocks */
            tg_tensor *v = tg_reshape(kept, TG_SHAPE(l[4], l[1])), *rows = tg_to(tg_randn(tg, TG_SHAPE(70, l[1])), types[k / 2]);
            v->keeps_packed = true;
            CHECK_MSG(alike(tg_linear(rows, v, b), tg_linear(rows, tg_reshape(w, TG_SHAPE(l[4], l[1])), b)), "kept by two %d %d", (int)i, k);
        }
        tg_end(tg, m);
    }
    tg_grad_mode(tg, was);
    CHECK_OK(tg);
}
static void same_bits(tg_ctx *tg) {
    static const tg_dtype types[4] = { TG_F32, TG_F64, TG_F16, TG_BF16 };
    static const int64_t channels[] = { 3, 40, 512, 600, 1100 };
    int k, i;
    for (k = 0; k < 4; k++) for (i = 0; i < 5; i++) {
        tg_mark m = tg_begin(tg);
        tg_tensor *x = tg_require_grad(tg_narrow(tg_to(tg_randn(tg, TG_SHAPE(2, channels[i], 9, 14)), types[k]), 3, 0, 11), true);
        tg_tensor *y = tg_require_grad(tg_contiguous(tg_detach(x)), true), *w = tg_to(tg_randn(tg, TG_SHAPE(48, channels[i], 1, 1)), types[k]);
        tg_tensor *a = tg_conv2d(x, w, NULL), *b = tg_conv2d(y, w, NULL), *g = tg_narrow(tg_to(tg_randn(tg, TG_SHAPE(2, 48, 9, 14)), types[k]), 3, 0, 11), *dx, *dy;
        tg_tensor *whole = tg_contiguous(g);
        CHECK(a && b && tg_equal(a, b));
        CHECK(tg_grad(&a, 1, &x, 1, &dx, .grad_outputs = &g) && tg_grad(&b, 1, &y, 1, &dy, .grad_outputs = &whole) && tg_equal(dx, dy));
        tg_end(tg, m);
    }
    /* few channels of a result, the channels of x side by side: lines along k */
    for (k = 0; k < 2; k++) for (i = 2; i < 5; i++) {
        int64_t o;
        for (o = 4; o <= 32; o *= 2) {
            tg_mark m = tg_begin(tg);
            tg_tensor *last = tg_permute(tg_to(tg_randn(tg, TG_SHAPE(1, 14, 14, channels[i])), types[k]), TG_SHAPE(0, 3, 1, 2)), *w = tg_to(tg_randn(tg, TG_SHAPE(o, channels[i], 1, 1)), types[k]);
            CHECK(tg_equal(tg_conv2d(last, w, NULL), tg_conv2d(tg_contiguous(last), w, NULL)));
            tg_end(tg, m);
        }
    }
}

/* ---- messages ---- */
static void message(tg_ctx *tg, tg_tensor *y, int number, tg_error_code code, const char *text) {
    const char *got = tg_error_text(tg);
    bool ok = !y && tg_error(tg) == code && tg_error_number(tg) == number && strncmp(got, text, strlen(text)) == 0;
    if (!ok) printf("got \"%s\", expected \"%s\"\n", got, text);
    CHECK(ok);
    tg_clear(tg);
}
static void messages(tg_ctx *tg) {
    tg_mark m = tg_begin(tg);
    tg_tensor *x = tg_zeros(tg, TG_SHAPE(2, 4, 8, 8)), *w = tg_zeros(tg, TG_SHAPE(6, 4, 3, 3)), *half = tg_to(w, TG_F16), *whole = tg_to(x, TG_I32), *b = tg_zeros(tg, TG_SHAPE(5));
    shape s;
    memset(&s, 0, sizeof s);
    message(tg, call(tg_zeros(tg, TG_SHAPE(8, 8)), w, NULL, &s), TG__E_CONV_NDIM, TG_ERROR_SHAPE, "conv2d: expected x [N, C, H, W] or [C, H, W] and weight [O, C/groups, KH, KW], got f32[8, 8] and f32[6, 4, 3, 3]");
    message(tg, call(x, b, NULL, &s), TG__E_CONV_NDIM, TG_ERROR_SHAPE, "conv2d: expected x [N, C, H, W] or [C, H, W] and weight [O, C/groups, KH, KW], got f32[2, 4, 8, 8] and f32[5]");
    message(tg, call(x, half, NULL, &s), TG__E_SAME_DTYPE, TG_ERROR_DTYPE, "conv2d: operands need one dtype: f32[2, 4, 8, 8] and f16[6, 4, 3, 3]");
    message(tg, call(whole, w, NULL, &s), TG__E_FLOAT_ONLY, TG_ERROR_DTYPE, "conv2d: expected a floating type, got i32[2, 4, 8, 8]");
    message(tg, call(x, w, b, &s), TG__E_CONV_BIAS, TG_ERROR_SHAPE, "conv2d: bias is f32[5], expected [6]");
    message(tg, call(x, NULL, NULL, &s), TG__E_NULL, TG_ERROR_NULL, "conv2d: operand 1 is NULL");
    s.groups = 2;
    message(tg, call(x, w, NULL, &s), TG__E_CONV_CHANNELS, TG_ERROR_SHAPE, "conv2d: x f32[2, 4, 8, 8] has 4 channels; weight f32[6, 4, 3, 3] with 2 groups expects 8");
    s.groups = 4;
    message(tg, call(x, w, NULL, &s), TG__E_CONV_GROUPS, TG_ERROR_VALUE, "conv2d: 6 output channels cannot be divided into 4 groups");
    s.groups = -1;
    message(tg, call(x, w, NULL, &s), TG__E_CONV_VALUE, TG_ERROR_VALUE, "conv2d: groups cannot be -1");
    s.groups = 0; s.s[1] = -2;
    message(tg, call(x, w, NULL, &s), TG__E_CONV_VALUE, TG_ERROR_VALUE, "conv2d: stride cannot be -2");
    s.s[1] = 0; s.p[0] = -1;
    message(tg, call(x, w, NULL, &s), TG__E_CONV_VALUE, TG_ERROR_VALUE, "conv2d: padding cannot be -1");
    s.p[0] = 0; s.d[0] = -3;
    message(tg, call(x, w, NULL, &s), TG__E_CONV_VALUE, TG_ERROR_VALUE, "conv2d: dilation cannot be -3");
    s.d[0] = 5;
    message(tg, call(x, w, NULL, &s), TG__E_CONV_SMALL, TG_ERROR_SHAPE, "conv2d: the kernel of f32[6, 4, 3, 3] is larger than the padded x f32[2, 4, 8, 8]");
    s.d[0] = INT64_MAX / 2; s.p[0] = INT64_MAX / 8;
    message(tg, call(x, w, NULL, &s), TG__E_CONV_SMALL, TG_ERROR_SHAPE, "conv2d: the kernel of f32[6, 4, 3, 3] is larger than the padded x f32[2, 4, 8, 8]");
    s.d[0] = 1; s.p[0] = INT64_MAX;
    message(tg, call(x, w, NULL, &s), TG__E_CONV_VALUE, TG_ERROR_VALUE, "conv2d: padding cannot be 9223372036854775807");
    s.p[0] = INT64_MAX / 16;
    CHECK(!call(x, w, NULL, &s) && tg_failed(tg));            /* a result that nobody can hold */
    tg_clear(tg);
    memset(&s, 0, sizeof s);
    message(tg, call(x, tg_zeros(tg, TG_SHAPE(6, 4, 0, 3)), NULL, &s), TG__E_CONV_VALUE, TG_ERROR_VALUE, "conv2d: kernel size cannot be 0");
    CHECK(call(x, w, NULL, &s) != NULL);
    tg_end(tg, m);
}

static void empties(tg_ctx *tg) {
    static const int rows[3] = { 0, 0, 0 };
    shape s;
    memset(&s, 0, sizeof s);
    s.n = 0; s.c = 3; s.h = s.w = 5; s.o = 4; s.kh = s.kw = 3; s.s[0] = s.s[1] = s.d[0] = s.d[1] = s.groups = 1; s.batched = true; s.bias = true;
    one(tg, &s, TG_F32, rows, true);
    s.n = 2; s.o = 0; one(tg, &s, TG_F32, rows, true);
    s.o = 4; s.c = 0; one(tg, &s, TG_F32, rows, true);
    s.bias = false; one(tg, &s, TG_F64, rows, true);
    s.c = 3; s.h = 0; s.p[0] = s.p[1] = 2; s.bias = true; one(tg, &s, TG_BF16, rows, true);
    s.h = 5; s.w = 0; one(tg, &s, TG_F32, rows, true);
}

int main(void) {
    static const tg_dtype types[4] = { TG_F32, TG_F64, TG_F16, TG_BF16 };
    static const tg_isa isas[4] = { TG_ISA_BEST, TG_ISA_PLAIN, TG_ISA_AVX2, TG_ISA_AVX512 };
    enum { CASES = 60 };
    static uint64_t first[CASES], again[CASES];
    tg_config c;
    tg_ctx *tg;
    int i, k;
    for (k = 0; k < 4; k++) {
        memset(&c, 0, sizeof c);
        c.isa = isas[k]; c.hooks.log = test_quiet; c.no_cache = k == 0;
        if (!tg_isa_supported(isas[k])) { test_skipped++; continue; }
        tg = tg_open(&c);
        seed = 5 + (uint64_t)k;
        for (i = 0; tg && i < (k == 0 ? 500 : 150); i++) {
            shape s = any();
            int layout[3];
            layout[0] = (int)pick(0, LAYOUTS - 1); layout[1] = (int)pick(0, LAYOUTS - 1); layout[2] = (int)pick(0, LAYOUTS - 1);
            one(tg, &s, types[next() % 4], layout, true);
        }
        if (tg) small_pictures(tg);
        if (tg) weights_of_tiles(tg);
        if (tg && k == 0) {
            for (i = 0; i < LARGER; i++) {
                const int16_t *l = larger[i];
                static const int rows[3] = { 0, 0, 0 };
                int layout[3];
                shape s;
                s.n = l[0]; s.c = l[1]; s.h = l[2]; s.w = l[3]; s.o = l[4]; s.kh = s.kw = l[5]; s.s[0] = s.s[1] = l[6]; s.p[0] = s.p[1] = l[7]; s.groups = l[8];
                s.d[0] = s.d[1] = 1; s.batched = s.bias = true;
                one(tg, &s, TG_F32, rows, true);
                if (s.kh > 1 || s.s[0] > 1) continue;
                for (layout[0] = 0; layout[0] < LAYOUTS; layout[0]++) {       /* products of matrices: any strides, with and without a bias */
                    layout[1] = layout[2] = layout[0];
                    s.bias = layout[0] & 1;
                    one(tg, &s, types[layout[0] % 4], layout, true);
                }
            }
            empties(tg);
            messages(tg);
            same_bits(tg);
            kept_and_clamped(tg);
            in_dimensions(tg);
            gradients(tg);
        }
        tg_close(tg);
    }
    for (k = 2; k < 4; k++) if (tg_isa_supported(isas[k])) beside(isas[k]);
    bits(TG_ISA_BEST, false, first, CASES, 1);
    for (k = 2; k <= 3; k++) {
        bits(TG_ISA_BEST, false, again, CASES, k);
        CHECK(memcmp(first, again, sizeof first) == 0);
    }
    for (k = 2; k < 5; k++) {                                        /* avx2, avx512, software */
        const tg_isa isa = k < 4 ? isas[k] : TG_ISA_PLAIN;
        if (!tg_isa_supported(isa) || !tg_isa_supported(TG_ISA_AVX2)) { test_skipped++; continue; }
        bits(isa, true, again, CASES, 1);
        if (k == 2) { bits(TG_ISA_AVX2, true, first, CASES, 1); }
        for (i = 0; i < CASES; i++) {
            if (again[i] == 0) continue;
            if (first[i] != again[i]) printf("case %d differs\n", i);
            CHECK(first[i] == again[i]);
        }
    }
    return test_end("conv");
}
