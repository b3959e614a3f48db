/* Tests of >>impl-sort and >>impl-index: cat, stack, sort, index_select, index_add, gather, scatter, scatter_add, one_hot.
   cc -O1 tests/test_index.c -o test_index -pthread && ./test_index        (./test_index speed: times instead)
   Every op is held against a plain loop over elements, for random shapes, strides and dtypes; gradients against difference quotients, twice. */
#include "test.h"
#include <time.h>

static uint64_t draws = 88172645463325252u;
static int64_t rnd(int64_t n) { draws ^= draws << 13; draws ^= draws >> 7; draws ^= draws << 17; return n > 0 ? (int64_t)((draws >> 11) % (uint64_t)n) : 0; }

/* ---- elements ---- */
static char *place(const tg_tensor *t, const int64_t *i) {
    int64_t o = 0;
    int d;
    for (d = 0; d < t->ndim; d++) o += i[d] * t->stride[d];
    return (char *)t->data + o * (int64_t)tg_dtype_size(t->dtype);
}
static bool advance(int ndim, const int64_t *shape, int64_t *i) {        /* false after the last position */
    int d;
    for (d = ndim - 1; d >= 0; d--) { if (++i[d] < shape[d]) return true; i[d] = 0; }
    return false;
}
static bool equal_bits(const tg_tensor *a, const tg_tensor *b) {
    int64_t i[TG_MAX_DIMS] = { 0 };
    if (!a || !b || !tg__same_shape(a, b) || a->dtype != b->dtype) return false;
    if (a->numel == 0) return true;
    do if (memcmp(place(a, i), place(b, i), tg_dtype_size(a->dtype)) != 0) return false; while (advance(a->ndim, a->shape, i));
    return true;
}
static void add_to(char *y, const char *x, tg_dtype d) {               /* *y += *x as the type does it */
    if (d == TG_F32) { float a, b; memcpy(&a, y, 4); memcpy(&b, x, 4); a += b; memcpy(y, &a, 4); }
    else if (tg_dtype_is_float(d)) tg__put_scalar(y, d, tg__get_f64(y, d) + tg__get_f64(x, d), 0, false);
    else tg__put_scalar(y, d, 0, d == TG_BOOL ? (*y || *x) : (int64_t)((uint64_t)tg__get_i64(y, d) + (uint64_t)tg__get_i64(x, d)), true);
}

/* ---- random tensors: any dtype, values with ties, zeros of both signs, NaN and infinities; strides permuted, stepped, reversed, expanded ---- */
static tg_tensor *filled(tg_ctx *tg, int ndim, const int64_t *shape, tg_dtype d, bool odd) {
    tg_tensor *t = tg_empty(tg, ndim, shape, d);
    int64_t k;
    for (k = 0; t && k < t->numel; k++) {
        char *p = (char *)t->data + k * (int64_t)tg_dtype_size(d);
        int64_t pick = rnd(12);
        double v = (double)(rnd(2001) - 1000) / 64.0;
        if (odd && pick == 0) v = tg__nan();
        if (odd && pick == 1) v = rnd(2) ? tg__inf() : -tg__inf();
        if (pick == 2) v = -0.0;
        if (pick == 3) v = 0.0;
        if (pick == 4) v = (double)rnd(3) - 1;
        if (tg_dtype_is_float(d)) tg__put_scalar(p, d, v, 0, false);
        else tg__put_scalar(p, d, 0, pick < 6 ? rnd(7) - 3 : (int64_t)((uint64_t)rnd(INT64_MAX) << 1), true);
    }
    return t;
}
static tg_tensor *strided(tg_ctx *tg, int ndim, const int64_t *shape, tg_dtype d, bool odd) {
    int64_t order[TG_MAX_DIMS], size[TG_MAX_DIMS], back[TG_MAX_DIMS];
    tg_tensor *t;
    int i, how = (int)rnd(4);
    if (how == 0 || ndim == 0) return filled(tg, ndim, shape, d, odd);
    for (i = 0; i < ndim; i++) order[i] = i;
    for (i = ndim - 1; i > 0; i--) { int k = (int)rnd(i + 1); int64_t o = order[i]; order[i] = order[k]; order[k] = o; }
    for (i = 0; i < ndim; i++) { size[i] = shape[order[i]]; if (how == 3) size[i] = size[i] * 2 + 1; back[order[i]] = i; }
    if (how == 2 && size[0] > 1 && rnd(2)) {                            /* expanded */
        int64_t full = size[0];
        size[0] = 1;
        t = filled(tg, ndim, size, d, odd);
        size[0] = full;
        t = tg_expand(t, ndim, size);
    } else t = filled(tg, ndim, size, d, odd);
    if (how == 3) for (i = 0; i < ndim; i++) {
        int64_t n = shape[order[i]];
        t = rnd(2) ? tg_slice_dim(t, i, 1, 1 + 2 * n, 2) : n ? tg_slice_dim(t, i, n * 2, 0, -2) : tg_narrow(t, i, 0, 0);
    }
    return tg_permute(t, ndim, back);
}
static int random_shape(int64_t *shape, int low_ndim) {
    int n = low_ndim + (int)rnd(5 - low_ndim), i;
    for (i = 0; i < n; i++) shape[i] = rnd(14) == 0 ? 0 : rnd(10) == 0 ? 1 + rnd(40) : 1 + rnd(5);
    return n;
}
static tg_tensor *indices(tg_ctx *tg, int ndim, const int64_t *shape, int64_t limit) {
    tg_dtype d = rnd(3) ? TG_I64 : TG_I32;
    tg_tensor *t = strided(tg, ndim, shape, d, false);
    int64_t i[TG_MAX_DIMS] = { 0 };
    if (t && t->numel) do tg__put_scalar(place(t, i), d, 0, rnd(limit), true); while (advance(ndim, shape, i));
    return t;
}
static int64_t index_at(const tg_tensor *t, const int64_t *i) { return tg__get_i64(place(t, i), t->dtype); }
static tg_dtype any_dtype(void) { return (tg_dtype)rnd(TG_DTYPES); }

/* ---- each op against its loop ---- */
static void test_cat(tg_ctx *tg) {
    int64_t shape[TG_MAX_DIMS], i[TG_MAX_DIMS];
    tg_tensor *list[12], *y;
    int n = 1 + (int)rnd(rnd(4) ? 4 : 12), k, ndim = random_shape(shape, 1), dim = (int)rnd(ndim);
    tg_dtype d = any_dtype(), want = d;
    bool mixed = rnd(3) == 0, ok = true;
    int64_t at = 0;
    for (k = 0; k < n; k++) {
        int64_t none = 0;
        tg_dtype own = mixed ? any_dtype() : d;
        shape[dim] = rnd(5);
        list[k] = k > 0 && rnd(6) == 0 ? tg_empty(tg, 1, &none, own) : strided(tg, ndim, shape, own, !mixed);
        want = k ? tg_dtype_promote(want, own) : own;
    }
    y = tg_cat(list, n, rnd(2) ? dim : dim - ndim);
    CHECK(y && y->dtype == want);
    for (k = 0; y && k < n; k++) {
        tg_tensor *part;
        if (list[k]->ndim == 1 && list[k]->numel == 0) continue;
        part = tg_to(list[k], want);
        memset(i, 0, sizeof i);
        if (part->numel) do { int64_t o[TG_MAX_DIMS]; memcpy(o, i, sizeof o); o[dim] += at; if (memcmp(place(y, o), place(part, i), tg_dtype_size(want)) != 0) ok = false; } while (advance(part->ndim, part->shape, i));
        at += part->shape[dim];
    }
    CHECK(ok && y && y->shape[dim] == at);
    if (rnd(3) == 0) {
        for (k = 0; k < n; k++) list[k] = strided(tg, ndim, shape, d, true);
        dim = (int)rnd(ndim + 1);
        y = tg_stack(list, n, rnd(2) ? dim : dim - ndim - 1);
        CHECK(y && y->ndim == ndim + 1 && y->shape[dim] == n);
        for (k = 0; y && k < n; k++) CHECK(equal_bits(tg_select(y, dim, k), list[k]));
    }
}

static int order_of(const char *a, const char *b, tg_dtype d) {        /* NaN is the largest and equal to itself */
    if (tg_dtype_is_float(d)) {
        double x = tg__get_f64(a, d), y = tg__get_f64(b, d);
        bool nx = tg__is_nan(x), ny = tg__is_nan(y);
        return nx || ny ? nx - ny : (x > y) - (x < y);
    } else { int64_t x = tg__get_i64(a, d), y = tg__get_i64(b, d); return (x > y) - (x < y); }
}
/* In order, ties by place, each place once, values fetched from there. */
static bool sorted_right(tg_tensor *x, int dim, bool descending, tg_tensor *y, tg_tensor *where) {
    int64_t i[TG_MAX_DIMS] = { 0 }, n = x->ndim ? x->shape[dim] : 1, k;
    int64_t walk[TG_MAX_DIMS];
    bool ok = true;
    char *seen;
    int d;
    if (!y || !where || !tg__same_shape(x, y) || !tg__same_shape(x, where) || y->dtype != x->dtype || where->dtype != TG_I64) return false;
    if (x->numel == 0) return true;
    seen = (char *)malloc((size_t)n);
    if (!seen) return false;
    for (d = 0; d < x->ndim; d++) walk[d] = d == dim ? 1 : x->shape[d];
    do {
        int64_t o[TG_MAX_DIMS], before = -1;
        char *last = NULL;
        memset(seen, 0, (size_t)n);
        memcpy(o, i, sizeof o);
        for (k = 0; k < n && ok; k++) {
            int64_t p;
            char *v, *from;
            if (x->ndim) o[dim] = k;
            v = place(y, o); p = index_at(where, o);
            if (p < 0 || p >= n || seen[p]) { ok = false; break; }
            seen[p] = 1;
            { int64_t q[TG_MAX_DIMS]; memcpy(q, o, sizeof q); if (x->ndim) q[dim] = p; from = place(x, q); }
            if (memcmp(v, from, tg_dtype_size(x->dtype)) != 0) ok = false;
            if (last) {
                int c = order_of(last, v, x->dtype);
                if (descending) c = -c;
                if (c > 0 || (c == 0 && before > p)) ok = false;
            }
            last = v; before = p;
        }
    } while (ok && advance(x->ndim, walk, i));
    free(seen);
    return ok;
}
static void test_sort(tg_ctx *tg) {
    int64_t shape[TG_MAX_DIMS];
    int ndim = random_shape(shape, 0), dim = ndim ? (int)rnd(ndim) : 0;
    bool descending = rnd(2) != 0;
    tg_tensor *x, *y, *where = NULL;
    if (ndim && rnd(3) == 0) { shape[dim] = rnd(2) ? rnd(200) : rnd(6000); if (ndim > 2) ndim = 2; if (dim >= ndim) dim = ndim - 1; if (ndim == 2 && shape[0] * shape[1] > 60000) ndim = 1; if (dim >= ndim) dim = 0; }
    x = strided(tg, ndim, shape, any_dtype(), true);
    y = tg_sort(x, rnd(2) ? dim : dim - (ndim ? ndim : 1), descending, &where);
    CHECK(sorted_right(x, dim, descending, y, where));
    if (rnd(4) == 0) CHECK(equal_bits(y, tg_sort(x, dim, descending, NULL)));
}

/* The first ones of the order, the k-th of it and its middle are what sort says, bit for bit. */
static void check_window(tg_ctx *tg, tg_tensor *x, int dim, int64_t k, bool largest) {
    const int64_t n = x->ndim ? x->shape[dim] : 1;
    tg_tensor *order, *at, *y = tg_sort(x, dim, largest, &order), *top = tg_topk(x, k, dim, largest, &at);
    CHECK(equal_bits(top, x->ndim ? tg_narrow(y, dim, 0, k) : y) && equal_bits(at, x->ndim ? tg_narrow(order, dim, 0, k) : order));
    if (n == 0 || k == 0) return;
    if (largest) y = tg_sort(x, dim, false, &order);
    top = tg_kthvalue(x, k, dim, true, &at);
    CHECK(equal_bits(top, x->ndim ? tg_narrow(y, dim, k - 1, 1) : y) && equal_bits(at, x->ndim ? tg_narrow(order, dim, k - 1, 1) : order));
    if (tg_dtype_is_float(x->dtype) && tg_item_i64(tg_any(tg_isnan(x)))) return;
    top = tg_median_dim(x, dim, true, &at);
    CHECK(equal_bits(top, x->ndim ? tg_narrow(y, dim, (n - 1) / 2, 1) : y) && equal_bits(at, x->ndim ? tg_narrow(order, dim, (n - 1) / 2, 1) : order));
    (void)tg;
}
static void test_topk(tg_ctx *tg) {
    int64_t shape[TG_MAX_DIMS], n;
    int ndim = random_shape(shape, 0), dim = ndim ? (int)rnd(ndim) : 0;
    tg_tensor *x;
    if (ndim && rnd(2) == 0) { ndim = 2; dim = (int)rnd(2); shape[dim] = rnd(2) ? rnd(200) : rnd(9000); shape[1 - dim] = 1 + rnd(3); }
    n = ndim ? shape[dim] : 1;
    x = strided(tg, ndim, shape, any_dtype(), true);
    check_window(tg, x, dim, ndim == 0 ? 1 : rnd(2) ? rnd(n + 1) : rnd(n / 50 + 1), rnd(2) != 0);
}
/* Vectors, bounds and pieces: spread numbers, few different ones, NaN here and there, rising, infinities. */
static void test_topk_long(tg_ctx *tg) {
    static const tg_dtype types[] = { TG_F32, TG_F64, TG_BF16, TG_I64, TG_I32 };
    static const int64_t sizes[] = { 1024, 2500, 32768, 32769, 70001, 300007 }, ks[] = { 1, 50, 700, 5000 };
    int k, s, kind;
    for (k = 0; k < 5; k++) for (s = 0; s < 6; s++) for (kind = 0; kind < 5; kind++) {
        const int64_t n = sizes[s], want = ks[(k + s + kind) % 4] > n ? n : ks[(k + s + kind) % 4];
        const int dim = s == 3 && kind < 2 ? 0 : 1;
        tg_mark m = tg_begin(tg);
        tg_tensor *x = dim ? tg_randn(tg, TG_SHAPE(2, n)) : tg_randn(tg, TG_SHAPE(n, 2));
        if (types[k] == TG_F64) x = tg_mul_scalar(tg_to(x, TG_F64), 1e-3);
        else if (!tg_dtype_is_float(types[k])) x = tg_mul_scalar(x, 1e6);
        if (kind == 1) x = tg_round(x);
        if (kind == 2) x = tg_sqrt(tg_add_scalar(x, 2.5));
        if (kind == 3) x = tg_cumsum(tg_abs(x), dim);
        if (kind == 4) x = tg_log(tg_relu(x));
        if (types[k] != TG_F32 || kind != 2) x = tg_to(x, types[k]);
        check_window(tg, x, dim, want, kind != 3 ? (s & 1) != 0 : false);
        check_window(tg, x, dim, want, kind != 3 ? (s & 1) == 0 : true);
        tg_end(tg, m);
    }
}

/* ---- scans, against a loop in double; long rows, rows side by side and every dtype ---- */
static void scan_one(tg_ctx *tg, tg_tensor *x, tg_tensor *a, int64_t dim, int kind) {
    tg_tensor *places = NULL, *y = kind == 0 ? tg_cumsum(x, dim) : kind == 1 ? tg_cumprod(x, dim) : kind == 2 ? tg_cummax(x, dim, &places) : kind == 3 ? tg_cummin(x, dim, &places) : tg_linear_scan(a, x, dim);
    const bool real = tg_dtype_is_float(x->dtype);
    const tg_dtype d = kind < 2 && !real ? TG_I64 : x->dtype;
    const double epsilon = d == TG_F64 ? 1e-14 : d == TG_F32 ? 1.2e-7 : d == TG_F16 ? 1e-3 : 8e-3;
    int64_t i[TG_MAX_DIMS] = { 0 };
    if (!CHECK(y && y->dtype == d && tg__same_shape(x, y) && (kind < 2 || kind == 4 || (places && places->dtype == TG_I64)))) { tg_clear(tg); return; }
    if (x->numel) do {
        int64_t o[TG_MAX_DIMS], n = x->ndim ? x->shape[dim] : 1, k, spot = 0;
        double s = 0;
        int64_t whole = 0;
        if (x->ndim && i[dim]) continue;
        memcpy(o, i, sizeof o);
        for (k = 0; k < n; k++) {
            const double v = (o[dim] = k, tg__get_f64(place(x, o), x->dtype)), f = kind == 4 ? tg__get_f64(place(a, o), a->dtype) : 0;
            const int64_t w = tg__get_i64(place(x, o), x->dtype);
            const bool takes = k == 0 || v != v || (s == s && (kind == 2 ? v >= s : v <= s));
            double got, scale;
            if (kind == 0) { s = k ? s + v : v; whole = (int64_t)((uint64_t)whole + (uint64_t)w); }
            else if (kind == 1) { s = k ? s * v : v; whole = k ? (int64_t)((uint64_t)whole * (uint64_t)w) : w; }
            else if (kind == 4) s = k ? f * s + v : v;
            else if (real ? takes : k == 0 || (kind == 2 ? w >= whole : w <= whole)) { s = v; whole = w; spot = k; }
            if (places && !CHECK(tg__get_i64(place(places, o), TG_I64) == spot)) return;
            if (!real) { if (!CHECK(tg__get_i64(place(y, o), d) == whole)) return; continue; }
            got = tg__get_f64(place(y, o), d);
            scale = (s < 0 ? -s : s) + (kind == 0 ? 1e-6 * (double)(k + 1) : 0) + (d == TG_F16 ? 1e-4 : d == TG_F64 ? 1e-290 : 1e-28);
            if (kind == 2 || kind == 3) scale = 0;
            /* out of the type's range, where double goes on */
            if (got - got != 0 && s - s == 0 && (s > 0) == (got > 0) && (s < 0 ? -s : s) > 0.999 * (d == TG_F16 ? 65504 : 3.4e38)) break;
            if (!CHECK_MSG((got != got) == (s != s) && (got != got || got == s || (got - s <= scale * epsilon && s - got <= scale * epsilon)), "scan %d at %d of %d: %g, not %g", kind, (int)k, (int)n, got, s)) return;
        }
    } while (advance(x->ndim, x->shape, i));
    tg_clear(tg);
}
static void test_scan(tg_ctx *tg) {
    static const int64_t shapes[][4] = { { 1, 7 }, { 2, 3, 5 }, { 2, 5, 40 }, { 2, 700, 3 }, { 3, 2, 0, 3 }, { 3, 3, 4, 17 }, { 1, 1 }, { 0 }, { 2, 70000, 2 }, { 2, 3, 33000 }, { 2, 300, 600 } };
    static const tg_dtype types[] = { TG_F32, TG_F64, TG_F16, TG_BF16, TG_I64, TG_I32, TG_U8, TG_BOOL };
    size_t s, d;
    int kind;
    int64_t dim;
    for (s = 0; s < sizeof shapes / sizeof *shapes; s++) for (d = 0; d < sizeof types / sizeof *types; d++) for (kind = 0; kind < 5; kind++) {
        const int ndim = (int)shapes[s][0];
        for (dim = 0; dim < (ndim ? ndim : 1); dim++) {
            tg_mark m = tg_begin(tg);
            const bool real = tg_dtype_is_float(types[d]), odd = kind == 2 || kind == 3;
            tg_tensor *x = strided(tg, ndim, shapes[s] + 1, types[d], odd), *a;
            if (x && x->numel > 3000 && d > 1 && rnd(3)) { tg_end(tg, m); continue; }
            if ((kind == 1 || kind == 4) && real) x = tg_to(tg_add_scalar(tg_mul_scalar(tg_sigmoid(tg_to(x, TG_F64)), 0.5), 0.73), types[d]);
            if (kind == 0 && real) x = tg_to(tg_clamp(tg_to(x, TG_F64), 0, 2), types[d]);
            if (kind == 4 && !real) { tg_end(tg, m); continue; }
            a = kind == 4 ? strided(tg, ndim, shapes[s] + 1, types[d], false) : NULL;
            if (a) a = tg_to(tg_sigmoid(tg_to(a, TG_F64)), types[d]);
            scan_one(tg, x, a, dim, kind);
            tg_end(tg, m);
        }
    }
    {   /* what is said of infinities: no step of logcumsumexp meets one that is not its own */
        const float inf = (float)tg__inf(), v[8] = { -inf, -800, -inf, 800, 0, inf, 3, 4 };
        tg_tensor *y = tg_logcumsumexp(tg_from(tg, TG_SHAPE(8), TG_F32, v), 0);
        const float *p = y ? (const float *)y->data : NULL;
        CHECK(p && p[0] == -inf && p[1] == -800 && p[2] == -800 && p[3] == 800 && p[4] == 800 && p[5] == inf && p[7] == inf);
    }
}
/* Rows that are sorted in phases; spreads of keys from none to all bits. */
static void test_sort_long(tg_ctx *tg) {
    static const tg_dtype types[] = { TG_F32, TG_F64, TG_I64, TG_I32, TG_BF16, TG_U8, TG_BOOL, TG_F16, TG_I64, TG_F64 };
    int k;
    for (k = 0; k < 10; k++) {
        int64_t shape[2], i;
        tg_mark m = tg_begin(tg);
        tg_tensor *x, *y, *where;
        int dim = k & 1;
        shape[dim] = k < 6 ? 150001 : 40000; shape[1 - dim] = 1 + k % 3;
        x = filled(tg, 2, shape, types[k], true);
        if (k == 8) for (i = 0; i < x->numel; i++) ((int64_t *)x->data)[i] = 5;
        if (k == 9) for (i = 0; i < x->numel; i++) ((double *)x->data)[i] = (double)rnd(3);
        y = tg_sort(x, dim, k % 3 == 0, &where);
        CHECK(sorted_right(x, dim, k % 3 == 0, y, where));
        tg_end(tg, m);
    }
}

static void test_select(tg_ctx *tg) {
    int64_t shape[TG_MAX_DIMS], i[TG_MAX_DIMS] = { 0 }, out[TG_MAX_DIMS], count;
    int ndim = random_shape(shape, 0), dim = ndim ? (int)rnd(ndim) : 0, d;
    tg_tensor *x, *index, *src, *y, *want;
    tg_dtype type = any_dtype();
    bool ok = true;
    if (ndim && rnd(5) == 0 && ndim < 3) shape[ndim - 1] = 1 + rnd(300);
    x = strided(tg, ndim, shape, type, true);
    count = ndim == 0 ? 1 : shape[dim] == 0 ? 0 : rnd(rnd(5) ? 8 : 3000);
    if (ndim && count > 100 && x->numel > 2000) count = 100;
    index = rnd(6) == 0 && (ndim == 0 || shape[dim]) ? indices(tg, 0, NULL, ndim ? shape[dim] : 1) : indices(tg, 1, &count, ndim ? shape[dim] : 1);
    count = index->numel;
    y = tg_index_select(x, rnd(2) ? dim : dim - (ndim ? ndim : 1), index);
    for (d = 0; d < ndim; d++) out[d] = d == dim ? count : shape[d];
    CHECK(y && y->ndim == ndim && y->dtype == type);
    if (y && y->numel) do {
        int64_t q[TG_MAX_DIMS], one[1];
        memcpy(q, i, sizeof q);
        if (ndim) { one[0] = i[dim]; q[dim] = index_at(index, one); }
        if (memcmp(place(y, i), place(x, q), tg_dtype_size(type)) != 0) ok = false;
    } while (advance(ndim, out, i));
    CHECK(ok);
    src = strided(tg, ndim, out, type, false);
    y = tg_index_add(x, dim, index, src);
    want = tg_contiguous(tg_clone(tg__widened(x)));                    /* halves are added up in f32 */
    src = tg__widened(src);
    memset(i, 0, sizeof i);
    if (src->numel) do {
        int64_t q[TG_MAX_DIMS], one[1];
        memcpy(q, i, sizeof q);
        if (ndim) { one[0] = i[dim]; q[dim] = index_at(index, one); }
        add_to(place(want, q), place(src, i), src->dtype);
    } while (advance(ndim, out, i));
    want = tg_to(want, type);
    CHECK(y && (tg_dtype_is_float(type) ? tg__same_shape(y, want) : equal_bits(y, want)));
    for (memset(i, 0, sizeof i); y && y->numel; ) {                    /* NaNs may differ in their bits */
        double a = tg__get_f64(place(y, i), type), b = tg__get_f64(place(want, i), type);
        if (!(tg__is_nan(a) && tg__is_nan(b)) && a != b) ok = false;
        if (!advance(ndim, y->shape, i)) break;
    }
    CHECK(ok);
}

static void test_gather(tg_ctx *tg) {
    int64_t shape[TG_MAX_DIMS], part[TG_MAX_DIMS], more[TG_MAX_DIMS], i[TG_MAX_DIMS] = { 0 };
    int ndim = random_shape(shape, 0), dim = ndim ? (int)rnd(ndim) : 0, d, kind;
    tg_tensor *x, *index, *src, *y, *want;
    tg_dtype type = any_dtype();
    bool ok = true;
    if (ndim == 2 && rnd(4) == 0) { shape[1 - dim] = 1 + rnd(300); shape[dim] = 1 + rnd(50); }
    for (d = 0; d < ndim; d++) {
        part[d] = d == dim ? (shape[d] ? rnd(10) : 0) : rnd(2) ? shape[d] : rnd(shape[d] + 1);
        more[d] = part[d] + (rnd(2) ? rnd(3) : 0);
    }
    x = strided(tg, ndim, shape, type, true);
    index = indices(tg, ndim, part, ndim ? shape[dim] : 1);
    y = tg_gather(x, dim, index);
    CHECK(y && y->dtype == type && tg__same_shape(y, index));
    if (y && y->numel) do {
        int64_t q[TG_MAX_DIMS];
        memcpy(q, i, sizeof q);
        if (ndim) q[dim] = index_at(index, i);
        if (memcmp(place(y, i), place(x, q), tg_dtype_size(type)) != 0) ok = false;
    } while (advance(ndim, part, i));
    CHECK(ok);
    src = strided(tg, ndim, more, type, true);
    for (kind = 0; kind < 2; kind++) {
        y = kind ? tg_scatter_add(x, dim, index, src) : tg_scatter(x, dim - (ndim ? ndim : 1), index, src);
        want = tg_contiguous(tg_clone(kind ? tg__widened(x) : x));
        if (kind) src = tg__widened(src);
        memset(i, 0, sizeof i);
        if (index->numel) do {
            int64_t q[TG_MAX_DIMS];
            memcpy(q, i, sizeof q);
            if (ndim) q[dim] = index_at(index, i);
            if (kind) add_to(place(want, q), place(src, i), src->dtype);
            else memcpy(place(want, q), place(src, i), tg_dtype_size(type));
        } while (advance(ndim, part, i));
        want = tg_to(want, type);
        CHECK(y != NULL);
        if (!kind || !tg_dtype_is_float(type)) CHECK(equal_bits(y, want));
        else for (memset(i, 0, sizeof i); y && y->numel; ) {
            double a = tg__get_f64(place(y, i), type), b = tg__get_f64(place(want, i), type);
            if (!(tg__is_nan(a) && tg__is_nan(b)) && a != b) ok = false;
            if (!advance(ndim, y->shape, i)) break;
        }
        CHECK(ok);
    }
}

static void test_one_hot(tg_ctx *tg) {
    int64_t shape[TG_MAX_DIMS], i[TG_MAX_DIMS] = { 0 }, classes = 1 + rnd(9), most = 0;
    int ndim = random_shape(shape, 0);
    tg_tensor *index = indices(tg, ndim, shape, classes), *y = tg_one_hot(index, classes);
    bool ok = y && y->dtype == TG_I64 && y->ndim == ndim + 1 && y->shape[ndim] == classes;
    if (ok && index->numel) do {
        int64_t c, v = index_at(index, i);
        if (v > most) most = v;
        for (c = 0; c < classes; c++) { i[ndim] = c; if (index_at(y, i) != (c == v)) ok = false; }
        i[ndim] = 0;
    } while (advance(ndim, shape, i));
    CHECK(ok);
    if (index->numel) { y = tg_one_hot(index, -1); CHECK(y && y->shape[ndim] == most + 1); }
}

/* ---- gradients ---- */
typedef struct task { int op; tg_tensor *index; int64_t dim; } task;
static bool run_op(void *user, tg_tensor *const *in, int n_in, tg_tensor **out, int n_out) {
    task *t = (task *)user;
    tg_tensor *y = NULL;
    (void)n_out;
    switch (t->op) {
        case 0: y = tg_cat(in, n_in, t->dim); break;
        case 1: y = tg_stack(in, n_in, t->dim); break;
        case 2: y = tg_sort(in[0], t->dim, false, NULL); break;
        case 3: y = tg_index_select(in[0], t->dim, t->index); break;
        case 4: y = tg_index_add(in[0], t->dim, t->index, in[1]); break;
        case 5: y = tg_gather(in[0], t->dim, t->index); break;
        case 6: y = tg_scatter(in[0], t->dim, t->index, in[1]); break;
        default: y = tg_scatter_add(in[0], t->dim, t->index, in[1]); break;
    }
    out[0] = y ? tg_mul(y, tg_mul(y, y)) : NULL;                        /* so that the second derivative is one */
    return out[0] != NULL;
}
static tg_tensor *leaf(tg_ctx *tg, int ndim, const int64_t *shape) {
    tg_tensor *t = tg_empty(tg, ndim, shape, TG_F64);
    int64_t k;
    for (k = 0; t && k < t->numel; k++) ((double *)t->data)[k] = (double)(rnd(200000) - 100000) / 50000.0 + (double)k * 1e-3;
    return tg_require_grad(t, true);
}
static void test_gradients(tg_ctx *tg, int op, int ndim_forced) {
    int64_t shape[TG_MAX_DIMS], part[TG_MAX_DIMS], more[TG_MAX_DIMS], none = 0;
    tg_tensor *in[3];
    task t;
    tg_function_call call;
    int ndim = ndim_forced >= 0 ? ndim_forced : 1 + (int)rnd(3), d, n = 1;
    bool ok;
    static const char *const names[] = { "grad cat", "grad stack", "grad sort", "grad index_select", "grad index_add", "grad gather", "grad scatter", "grad scatter_add" };
    for (d = 0; d < ndim; d++) { shape[d] = 1 + rnd(3); }
    t.op = op; t.dim = ndim ? rnd(ndim) : 0; t.index = NULL;
    in[0] = leaf(tg, ndim, shape);
    for (d = 0; d < ndim; d++) { part[d] = d == (int)t.dim ? 1 + rnd(4) : 1 + rnd(shape[d]); more[d] = part[d] + rnd(2); }
    if (op == 0) { if (ndim == 0) return; shape[t.dim] = 2; in[1] = leaf(tg, ndim, shape); in[2] = rnd(2) ? leaf(tg, 1, &none) : leaf(tg, ndim, shape); n = 3; }
    if (op == 1) { in[1] = leaf(tg, ndim, shape); n = 2; }
    if (op == 3 || op == 4) {
        int64_t count = ndim ? 1 + rnd(4) : 1, own = ndim ? shape[t.dim] : 1;
        t.index = indices(tg, 1, &count, own);
        if (op == 4) { if (ndim) shape[t.dim] = count; in[1] = leaf(tg, ndim, shape); n = 2; }
    }
    if (op >= 5) {
        t.index = indices(tg, ndim, part, ndim ? shape[t.dim] : 1);
        if (op > 5) { in[1] = leaf(tg, ndim, more); n = 2; }
    }
    call.f = run_op; call.user = &t; call.inputs = in; call.n_inputs = n; call.n_outputs = 1;
    {
        tg_gradcheck_args a;
        memset(&a, 0, sizeof a);
        a.call = &call; a.second = true;
        ok = tg_gradcheck_from(&a);
    }
    CHECK(ok);
    if (!ok) { printf("%s\n", tg_error_text(tg)); tg_clear(tg); }
}
static void test_backward(tg_ctx *tg) {
    int64_t none = 0;
    float v[3] = { 3, 1, 2 }, w[6] = { 1, 2, 3, 4, 5, 6 }, got[6];
    tg_tensor *x, *e, *list[2], *where;
    tg_backward_args a;
    memset(&a, 0, sizeof a);
    x = tg_require_grad(tg_from_f32(tg, TG_SHAPE(3), v), true);
    a.loss = tg_sum(tg_mul(tg_sort(x, 0, true, &where), tg_from_f32(tg, TG_SHAPE(3), w)));
    CHECK(tg_backward_from(&a) && x->grad && tg_read_f32(x->grad, got, 3) && got[0] == 1 && got[1] == 3 && got[2] == 2);
    CHECK(where && !where->requires_grad);
    e = tg_require_grad(tg_empty(tg, 1, &none, TG_F32), true);
    x = tg_require_grad(tg_from_f32(tg, TG_SHAPE(2, 3), w), true);
    list[0] = e; list[1] = x;
    a.loss = tg_sum(tg_square(tg_cat(list, 2, 1)));
    CHECK(tg_backward_from(&a) && e->grad && e->grad->numel == 0 && x->grad && tg_read_f32(x->grad, got, 6) && got[5] == 12);
    list[0] = tg_require_grad(tg_to(tg_from_f32(tg, TG_SHAPE(3), v), TG_F16), true); list[1] = tg_require_grad(tg_from_f32(tg, TG_SHAPE(3), v), true);
    a.loss = tg_sum(tg_square(tg_cat(list, 2, 0)));
    CHECK(tg_backward_from(&a) && list[0]->grad && list[0]->grad->dtype == TG_F16 && list[1]->grad->dtype == TG_F32);
    {                                                                  /* of two writes to one place the last gets the gradient */
        static const int64_t two[2] = { 1, 1 };
        tg_tensor *s = tg_require_grad(tg_from_f32(tg, TG_SHAPE(2), w), true), *b = tg_require_grad(tg_from_f32(tg, TG_SHAPE(3), v), true);
        a.loss = tg_sum(tg_scatter(b, 0, tg_from(tg, TG_SHAPE(2), TG_I64, two), s));
        CHECK(tg_backward_from(&a) && tg_read_f32(s->grad, got, 2) && got[0] == 0 && got[1] == 1);
        CHECK(tg_read_f32(b->grad, got, 3) && got[0] == 1 && got[1] == 0 && got[2] == 1);
    }
    {                                                                  /* an index that was overwritten is noticed */
        tg_tensor *i = tg_full(tg, TG_SHAPE(2), 1, TG_I64), *s = tg_sum(tg_index_select(x, 0, i));
        CHECK(tg_fill_(i, 0) != NULL);
        a.loss = s;
        CHECK(!tg_backward_from(&a) && tg_error(tg) == TG_ERROR_GRAD);
        tg_clear(tg);
    }
}

/* ---- the same bits whatever the threads ---- */
static void test_threads(bool no_cache) {
    static const int counts[3] = { 1, 2, 3 };
    enum { RESULTS = 16 };
    tg_ctx *tg[3];
    tg_tensor *r[3][RESULTS];
    int c, k;
    for (c = 0; c < 3; c++) {
        tg_config config;
        tg_tensor *x, *i, *s, *where, *list[3], *flat;
        memset(&config, 0, sizeof config);
        config.threads = counts[c]; config.no_cache = no_cache; config.seed = 7;
        tg[c] = tg_open(&config);
        if (!tg[c]) { CHECK(tg[c] != NULL); return; }
        memset(r[c], 0, sizeof r[c]);
        x = tg_randn(tg[c], TG_SHAPE(300, 1000));
        s = tg_randn(tg[c], TG_SHAPE(300, 1000));
        i = tg_randint(tg[c], 0, 300, TG_SHAPE(300, 1000));
        r[c][0] = tg_sort(x, 1, false, &r[c][1]);
        r[c][2] = tg_sort(x, 0, true, &r[c][3]);
        flat = tg_reshape(x, 1, &x->numel);
        r[c][4] = tg_sort(flat, 0, false, &where); r[c][5] = where;
        r[c][6] = tg_gather(x, 0, i);
        r[c][7] = tg_gather(x, 1, i);
        r[c][8] = tg_scatter(x, 0, i, s);
        r[c][9] = tg_scatter_add(x, 1, i, s);
        r[c][10] = tg_scatter_add(x, 0, i, s);
        i = tg_randint(tg[c], 0, 300, TG_SHAPE(5000));
        r[c][11] = tg_index_select(x, 0, i);
        r[c][12] = tg_index_add(x, 0, i, r[c][11]);
        list[0] = x; list[1] = s; list[2] = x;
        r[c][13] = tg_cat(list, 3, 1);
        r[c][14] = tg_one_hot(i, 300);
        r[c][15] = tg_index_select(tg_to(x, TG_F16), 1, i);
        for (k = 0; k < RESULTS; k++) CHECK(r[c][k] != NULL);
        if (c) for (k = 0; k < RESULTS; k++) CHECK(equal_bits(r[0][k], r[c][k]));
    }
    for (c = 0; c < 3; c++) tg_close(tg[c]);
}

/* ---- messages ---- */
static void expect_at(tg_ctx *tg, tg_tensor *t, const char *text, int line) {
    size_t n = strlen(text);
    bool ok = t == NULL && strncmp(tg_error_text(tg), text, n) == 0 && (tg_error_text(tg)[n] == 0 || tg_error_text(tg)[n] == ' ');
    if (!ok && test_failed < 40) printf("got      %s\nexpected %s\n", tg_error_text(tg), text);
    test_check(ok, __FILE__, line, "%s", text);
    tg_clear(tg);
}
#define EXPECT(t, text) expect_at(tg, t, text, __LINE__)
/* split, meshgrid, flip, rot90, trace, element by element */
static int64_t number_at(tg_tensor *t, int64_t i, int64_t k) { int64_t at[2]; at[0] = i; at[1] = k; return t ? (int64_t)tg_get(t, at) : -1; }
static void test_pieces(tg_ctx *tg) {
    tg_tensor *x = tg_reshape(tg_arange(tg, 0, 20, 1, TG_I64), TG_SHAPE(4, 5)), *p[6], *y, *list[3];
    int64_t i, k;
    int turns, right = 0;
    CHECK(tg_split(x, 2, 1, p, 6) == 3 && p[0]->shape[1] == 2 && p[2]->shape[1] == 1 && !p[3] && !p[5]);
    CHECK(number_at(p[1], 3, 1) == 18 && number_at(p[2], 0, 0) == 4 && p[1]->storage == x->storage);
    CHECK(tg_split(x, 9, -1, p, 6) == 1 && p[0]->shape[1] == 5);
    CHECK(tg_split(x, INT64_MAX, 0, p, 1) == 1 && p[0]->shape[0] == 4);
    CHECK(tg_split(tg_zeros(tg, TG_SHAPE(0, 3)), 0, 0, p, 6) == 1 && p[0]->numel == 0 && tg_split(tg_zeros(tg, TG_SHAPE(0, 3)), 7, 0, p, 6) == 1);
    CHECK(tg_split_sizes(x, TG_DIMS(1, 0, 4), 1, p) == 3 && p[1]->numel == 0 && number_at(p[2], 2, 3) == 14);
    list[0] = tg_arange(tg, 0, 2, 1, TG_I64); list[1] = tg_arange(tg, 5, 8, 1, TG_I64); list[2] = tg_full(tg, TG_SCALAR, 9, TG_I64);
    CHECK(tg_meshgrid(list, 2, false, p) && p[0]->shape[0] == 2 && p[0]->shape[1] == 3 && number_at(p[0], 1, 2) == 1 && number_at(p[1], 1, 2) == 7);
    CHECK(tg_meshgrid(list, 2, true, p) && p[0]->shape[0] == 3 && p[0]->shape[1] == 2 && number_at(p[0], 2, 1) == 1 && number_at(p[1], 2, 1) == 7);
    CHECK(tg_meshgrid(list, 3, false, p) && p[2]->ndim == 3 && p[2]->shape[2] == 1 && p[2]->numel == 6);
    y = tg_flip(x, TG_DIMS(0, -1));
    for (i = 0; i < 4; i++) for (k = 0; k < 5; k++) right += number_at(y, i, k) == 19 - 5 * i - k;
    CHECK(right == 20);
    CHECK(y->storage != x->storage && tg_equal(tg_flip(x, 0, NULL), x) && tg_flip(x, 0, NULL)->storage != x->storage);
    CHECK(tg_equal(tg_flip(tg_full(tg, TG_SCALAR, 3, TG_I64), TG_DIMS(0)), tg_full(tg, TG_SCALAR, 3, TG_I64)));
    for (turns = -5; turns <= 5; turns++) {                       /* a turn by a turn */
        tg_tensor *turned = x;
        int n;
        for (n = 0; n < (turns % 4 + 4) % 4; n++) {
            tg_tensor *next = tg_empty(tg, 2, (int64_t[2]){ turned->shape[1], turned->shape[0] }, TG_I64);
            for (i = 0; i < next->shape[0]; i++) for (k = 0; k < next->shape[1]; k++) { int64_t at[2]; at[0] = i; at[1] = k; tg_set(next, at, (double)number_at(turned, k, turned->shape[1] - 1 - i)); }
            turned = next;
        }
        CHECK(tg_equal(tg_rot90(x, turns, 0, 1), turned) && tg_equal(tg_rot90(x, -turns, -1, 0), turned));
    }
    CHECK(tg_rot90(x, -2147483647 - 1, 0, 1) && tg_rot90(x, 2147483647, 0, 1));
    CHECK(tg_item_i64(tg_trace(x)) == 0 + 6 + 12 + 18 && tg_item_i64(tg_trace(tg_t(x))) == 36 && tg_trace(tg_to(x, TG_U8))->dtype == TG_I64);
    CHECK(tg_item(tg_trace(tg_zeros(tg, TG_SHAPE(0, 3)))) == 0 && tg_item(tg_trace(tg_expand(tg_ones(tg, TG_SHAPE(1, 3)), TG_SHAPE(3, 3)))) == 3);
    CHECK(!tg_failed(tg));
}
static void test_errors(tg_ctx *tg) {
    static const int64_t i3[3] = { 0, 1, 2 }, bad[4] = { 0, 1, -1, 9 };
    tg_tensor *x = tg_zeros(tg, TG_SHAPE(2, 3)), *y = tg_zeros(tg, TG_SHAPE(2, 2)), *z = tg_zeros(tg, TG_SCALAR), *list[2], *out;
    tg_tensor *index = tg_from(tg, TG_SHAPE(3), TG_I64, i3), *wrong = tg_from(tg, TG_SHAPE(4), TG_I64, bad), *empty = tg_empty(tg, TG_SHAPE(0), TG_I64);
    list[0] = x; list[1] = y;
    EXPECT(tg_cat(list, 2, 0), "cat: tensor 1 is f32[2, 2] and does not fit f32[2, 3]: all sizes but dimension 0 must agree");
    EXPECT(tg_cat(list, 2, 2), "cat: dim 2 is out of range for f32[2, 3]: expected -2 to 1");
    EXPECT(tg_stack(list, 2, 0), "stack: tensor 1 is f32[2, 2] and does not fit f32[2, 3]: all sizes must agree");
    list[1] = z;
    EXPECT(tg_cat(list, 2, 0), "cat: tensor 1 is f32[]: without dimensions nothing can be joined; use tg_stack");
    list[1] = NULL;
    EXPECT(tg_cat(list, 2, 0), "cat: operand 1 is NULL");
    EXPECT(tg_stack(list, 2, 0), "stack: operand 1 is NULL");
    CHECK(tg_cat(list, 0, 0) == NULL && tg_stack(NULL, 0, 0) == NULL && !tg_failed(tg));
    {
        tg_tensor *p[4];
        EXPECT(tg_split(x, -1, 0, p, 4) ? x : NULL, "split: pieces of size -1 cannot fill dimension 0 of f32[2, 3]");
        EXPECT(tg_split(x, 0, 1, p, 4) ? x : NULL, "split: pieces of size 0 cannot fill dimension 1 of f32[2, 3]");
        EXPECT(tg_split(x, 1, 2, p, 4) ? x : NULL, "split: dim 2 is out of range for f32[2, 3]: expected -2 to 1");
        EXPECT(tg_split(x, 1, 1, p, 2) ? x : NULL, "split: f32[2, 3] makes 3 pieces, and there is room for 2");
        EXPECT(tg_split(z, 1, 0, p, 4) ? x : NULL, "split: f32[] has no dimensions");
        EXPECT(tg_split_sizes(x, TG_DIMS(1, 1), 1, p) ? x : NULL, "split_sizes: the sizes of the pieces, [1, 1], do not add up to 3, dimension 1 of f32[2, 3]");
        EXPECT(tg_split_sizes(x, TG_DIMS(2, 2), 1, p) ? x : NULL, "split_sizes: the sizes of the pieces, [2, 2], do not add up to 3, dimension 1 of f32[2, 3]");
        EXPECT(tg_split_sizes(x, TG_DIMS(3, -1), 1, p) ? x : NULL, "split_sizes: piece 1 has the negative size -1");
        list[0] = z; list[1] = x;
        EXPECT(tg_meshgrid(list, 2, false, p) ? x : NULL, "meshgrid: tensor 1 is f32[2, 3]; at most one dimension is expected");
        list[1] = index;
        EXPECT(tg_meshgrid(list, 2, false, p) ? x : NULL, "meshgrid: operands need one dtype: f32[] and i64[3]; tg_to one of them");
        list[0] = x; list[1] = NULL;
        EXPECT(tg_flip(x, TG_DIMS(0, -2)), "flip: dim 0 is named twice");
        EXPECT(tg_flip(x, TG_DIMS(2)), "flip: dim 2 is out of range for f32[2, 3]: expected -2 to 1");
        EXPECT(tg_rot90(index, 1, 0, 1), "rot90: turning takes two different dimensions of i64[3], got 0 and 1");
        EXPECT(tg_rot90(x, 1, 0, -2), "rot90: turning takes two different dimensions of f32[2, 3], got 0 and -2");
        EXPECT(tg_rot90(x, 1, 0, 2), "rot90: dim 2 is out of range for f32[2, 3]: expected -2 to 1");
        EXPECT(tg_trace(z), "trace: f32[] is no matrix: two dimensions are expected");
        EXPECT(tg_trace(tg_to(x, TG_BOOL)), "trace: not defined for bool");
    }
    out = x;
    EXPECT(tg_sort(x, 2, false, &out), "sort: dim 2 is out of range for f32[2, 3]: expected -2 to 1");
    CHECK(out == NULL);
    EXPECT(tg_sort(z, 1, false, NULL), "sort: dim 1 is out of range for f32[]: expected -1 to 0");
    EXPECT(tg_index_select(x, 0, index), "index_select: index 2 (element 2 of the indices) is out of range: dimension 0 of f32[2, 3]");
    EXPECT(tg_index_select(x, 1, wrong), "index_select: index -1 (element 2 of the indices) is out of range: dimension 1 of f32[2, 3]");
    EXPECT(tg_index_select(x, 1, tg_slice(wrong, "::-1")), "index_select: index 9 (element 0 of the indices) is out of range: dimension 1 of f32[2, 3]");
    EXPECT(tg_index_select(x, 1, tg_to(wrong, TG_I32)), "index_select: index -1 (element 2 of the indices) is out of range: dimension 1 of f32[2, 3]");
    EXPECT(tg_index_select(x, 1, x), "index_select: indices are i64 or i32, got f32[2, 3]");
    EXPECT(tg_index_select(x, 1, tg_to(x, TG_I64)), "index_select: index i64[2, 3] does not fit f32[2, 3]");
    EXPECT(tg_index_select(z, 0, index), "index_select: index i64[3] does not fit f32[]");
    EXPECT(tg_index_add(x, 1, index, y), "index_add: index i64[3] does not fit f32[2, 2]");
    EXPECT(tg_index_add(x, 0, index, y), "index_add: tensor 2 is f32[2, 2] and does not fit f32[2, 3]: all sizes but dimension 0 must agree");
    EXPECT(tg_index_add(x, 1, index, tg_to(x, TG_F64)), "index_add: operands need one dtype: f32[2, 3] and f64[2, 3]");
    EXPECT(tg_gather(x, 1, index), "gather: index i64[3] does not fit f32[2, 3]");
    EXPECT(tg_gather(x, 1, tg_zeros(tg, TG_SHAPE(3, 1))), "gather: indices are i64 or i32, got f32[3, 1]");
    EXPECT(tg_gather(x, 1, tg_full(tg, TG_SHAPE(3, 1), 0, TG_I64)), "gather: index i64[3, 1] does not fit f32[2, 3]");
    EXPECT(tg_gather(x, 1, tg_full(tg, TG_SHAPE(2, 1), 3, TG_I64)), "gather: index 3 (element 0 of the indices) is out of range: dimension 1 of f32[2, 3]");
    EXPECT(tg_scatter(x, 1, tg_full(tg, TG_SHAPE(2, 3), 0, TG_I64), y), "scatter: index i64[2, 3] does not fit f32[2, 2]");
    EXPECT(tg_scatter(x, 1, tg_full(tg, TG_SHAPE(2, 2), 3, TG_I64), y), "scatter: index 3 (element 0 of the indices) is out of range: dimension 1 of f32[2, 3]");
    EXPECT(tg_scatter_add(x, 1, tg_full(tg, TG_SHAPE(2, 2), 0, TG_I64), tg_to(y, TG_I32)), "scatter_add: operands need one dtype: f32[2, 3] and i32[2, 2]");
    EXPECT(tg_one_hot(wrong, 10), "one_hot: index -1 (element 2 of the indices) is out of range: dimension 1 of i64[4, 10]");
    EXPECT(tg_one_hot(wrong, -1), "one_hot: index -1 (element 2 of the indices) is out of range: dimension 1 of i64[4, 10]");
    EXPECT(tg_one_hot(index, 2), "one_hot: index 2 (element 2 of the indices) is out of range: dimension 1 of i64[3, 2]");
    EXPECT(tg_one_hot(index, 0), "one_hot: classes: expected a positive number, or -1 to take one more than the largest index, got 0.0");
    EXPECT(tg_one_hot(empty, -1), "one_hot: the number of classes cannot be taken from i64[0]: nothing is in it");
    EXPECT(tg_one_hot(x, -1), "one_hot: indices are i64 or i32, got f32[2, 3]");
    EXPECT(tg_gather(NULL, 0, index), "gather: operand 0 is NULL");
    EXPECT(tg_gather(x, 0, NULL), "gather: operand 1 is NULL");
    out = tg_gather(x, 0, empty);                                      /* torch: an empty index may have any shape */
    CHECK(out && out->ndim == 1 && out->numel == 0);
    CHECK(equal_bits(tg_scatter(x, 0, empty, tg_zeros(tg, TG_SHAPE(4))), x));
    out = tg_gather(tg_full(tg, TG_SCALAR, 5, TG_F32), 0, tg_full(tg, TG_SHAPE(2), 0, TG_I64));
    CHECK(out && out->ndim == 1 && out->numel == 2 && ((float *)out->data)[1] == 5);
    out = tg_gather(index, 0, tg_full(tg, TG_SCALAR, 2, TG_I32));
    CHECK(out && out->ndim == 0 && tg_item_i64(out) == 2);
    out = tg_scatter(z, 0, tg_full(tg, TG_SHAPE(2), 0, TG_I64), tg_from(tg, TG_SHAPE(2), TG_F32, (const void *)"\0\0\0\0\0\0\x80\x3f"));
    CHECK(out && out->ndim == 0 && tg_item(out) == 1);
    list[0] = list[1] = tg_permute(tg_zeros(tg, TG_SHAPE(2, 4, 5, 3)), TG_SHAPE(0, 3, 1, 2));
    out = tg_cat(list, 2, 1);
    CHECK(out && out->stride[1] == 1 && out->stride[0] == 120 && out->stride[2] == 30 && out->stride[3] == 6);
    CHECK(!tg_failed(tg));
}

/* Every allocation fails once: an error, nothing lost, nothing half done. */
typedef struct budget { int64_t left, live; } budget;
static void *lean_alloc(void *user, size_t size, size_t align) {
    budget *b = (budget *)user;
    void *p;
    if (b->left == 0) return NULL;
    b->left--;
    p = tg__default_alloc(NULL, size, align);
    if (p) b->live++;
    return p;
}
static void lean_release(void *user, void *p, size_t size, size_t align) { ((budget *)user)->live--; tg__default_release(NULL, p, size, align); }
static void test_refusals(void) {
    int64_t n;
    int done = 0;
    for (n = 1; !done && n < 400; n++) {
        budget b;
        tg_config config;
        tg_ctx *tg;
        memset(&config, 0, sizeof config);
        b.left = n; b.live = 0;
        config.no_cache = true;
        config.hooks.alloc = lean_alloc; config.hooks.release = lean_release; config.hooks.alloc_user = &b; config.hooks.log = test_quiet;
        tg = tg_open(&config);
        if (!tg) continue;
        {
            tg_tensor *x = tg_require_grad(tg_zeros(tg, TG_SHAPE(4, 300)), true), *i = tg_full(tg, TG_SHAPE(4, 300), 1, TG_I32), *s, *list[9], *y = NULL;
            int k;
            s = tg_sort(x, 1, false, NULL);
            s = tg_scatter(s, 0, i, tg_gather(s, 0, i));
            for (k = 0; k < 9; k++) list[k] = s;
            if (s) y = tg_stack(list, 9, 0);
            if (y) y = tg_sum(tg_index_select(y, 1, tg_full(tg, TG_SHAPE(3), 1, TG_I64)));
            if (y) y = tg_sort(tg_zeros(tg, TG_SHAPE(40000)), 0, true, NULL) ? y : NULL;
            if (y) {
                tg_backward_args a;
                memset(&a, 0, sizeof a);
                a.loss = y;
                if (tg_backward_from(&a)) done = 1;
            }
            if (!done && !(tg_failed(tg) && tg_error(tg) == TG_ERROR_MEMORY)) CHECK(false);
        }
        tg_close(tg);
        if (b.live != 0) CHECK(false);
    }
    CHECK(done);
}

static void speed(void);

int main(int argc, char **argv) {
    tg_config config;
    tg_ctx *tg;
    int round, k;
    if (argc > 1 && strcmp(argv[1], "speed") == 0) { speed(); return 0; }
    memset(&config, 0, sizeof config);
    config.no_cache = true; config.hooks.log = test_quiet;
    for (round = 0; round < 2; round++) {
        config.threads = round ? 3 : 0;
        tg = tg_open(&config);
        if (!tg) { printf("cannot open\n"); return 1; }
        for (k = 0; k < 400; k++) {
            tg_mark m = tg_begin(tg);
            test_cat(tg); test_sort(tg); test_topk(tg); test_select(tg); test_gather(tg); test_one_hot(tg);
            tg_end(tg, m);
            if (tg_failed(tg)) { printf("%s\n", tg_error_text(tg)); CHECK(false); tg_clear(tg); }
        }
        test_sort_long(tg);
        test_topk_long(tg);
        test_scan(tg);
        test_pieces(tg);
        test_errors(tg);
        test_backward(tg);
        for (k = 0; k < 8 * 6; k++) { tg_mark m = tg_begin(tg); test_gradients(tg, k % 8, k < 8 ? 0 : -1); tg_end(tg, m); }
        CHECK(!tg_failed(tg));
        tg_close(tg);
    }
    test_threads(true);
    test_threads(false);
    test_refusals();
    return test_end("index");
}

/* ---- times: the processor's for one thread, so that a busy machine matters less ---- */
#include <time.h>
static double now(int threads) { return threads == 1 ? (double)clock() / CLOCKS_PER_SEC : tg__seconds(); }
#define TIME(name, call) do { double best = 1e9; int r_; for (r_ = 0; r_ < 15; r_++) { tg_mark m_ = tg_begin(tg); double t0 = now(threads); if (!(call)) printf("failed: %s\n", tg_error_text(tg)); \
    t0 = now(threads) - t0; if (t0 < best) best = t0; tg_end(tg, m_); } printf("  %-44s %9.3f ms\n", name, best * 1e3); } while (0)
static void speed(void) {
    int threads;
    for (threads = 1; threads <= 2; threads++) {
        tg_config config;
        tg_ctx *tg;
        tg_tensor *f, *x, *i, *table, *list[4], *j;
        memset(&config, 0, sizeof config);
        config.threads = threads;
        tg = tg_open(&config);
        if (!tg) return;
        printf("threads %d\n", threads);
        f = tg_randn(tg, TG_SHAPE(1000000));
        TIME("sort 1e6 f32", tg_sort(f, 0, false, NULL));
        x = tg_to(tg_randn(tg, TG_SHAPE(1000000)), TG_F64);
        TIME("sort 1e6 f64 (from f32)", tg_sort(x, 0, false, NULL));
        x = tg_normal_(tg_empty(tg, TG_SHAPE(1000000), TG_F64), 0, 1);
        TIME("sort 1e6 f64", tg_sort(x, 0, false, NULL));
        x = tg_randint(tg, 0, 1000000, TG_SHAPE(1000000));
        TIME("sort 1e6 i64 below 1e6", tg_sort(x, 0, false, NULL));
        x = tg_to(tg_randint(tg, INT32_MIN, INT32_MAX, TG_SHAPE(1000000)), TG_I32);
        TIME("sort 1e6 i32", tg_sort(x, 0, false, NULL));
        x = tg_to(f, TG_BF16);
        TIME("sort 1e6 bf16", tg_sort(x, 0, false, NULL));
        x = tg_randn(tg, TG_SHAPE(1000, 1000));
        TIME("sort 1000x1000 dim 1", tg_sort(x, 1, false, NULL));
        TIME("sort 1000x1000 dim 0", tg_sort(x, 0, false, NULL));
        x = tg_randn(tg, TG_SHAPE(65536, 16));
        TIME("sort 65536x16", tg_sort(x, 1, false, NULL));
        x = tg_randn(tg, TG_SHAPE(4096, 256));
        TIME("sort 4096x256", tg_sort(x, 1, false, NULL));
        x = tg_randn(tg, TG_SHAPE(16384, 64));
        TIME("sort 16384x64", tg_sort(x, 1, false, NULL));
        table = tg_randn(tg, TG_SHAPE(50000, 256));
        i = tg_randint(tg, 0, 50000, TG_SHAPE(16384));
        TIME("index_select [50000,256] by 16384", tg_index_select(table, 0, i));
        table = tg_randn(tg, TG_SHAPE(50000, 64));
        j = tg_randint(tg, 0, 50000, TG_SHAPE(100000));
        TIME("index_select [50000,64] by 100000", tg_index_select(table, 0, j));
        x = tg_randn(tg, TG_SHAPE(100000, 64));
        TIME("index_add [50000,64] by 100000", tg_index_add(table, 0, j, x));
        j = tg_randint(tg, 0, 1000000, TG_SHAPE(1000000));
        TIME("index_select [1e6] by 1e6", tg_index_select(f, 0, j));
        TIME("gather [1e6] by 1e6", tg_gather(f, 0, j));
        TIME("scatter [1e6] by 1e6", tg_scatter(f, 0, j, f));
        TIME("scatter_add [1e6] by 1e6", tg_scatter_add(f, 0, j, f));
        x = tg_randn(tg, TG_SHAPE(1000, 1000));
        i = tg_randint(tg, 0, 1000, TG_SHAPE(1000, 1000));
        TIME("gather 1000x1000 dim 1", tg_gather(x, 1, i));
        TIME("gather 1000x1000 dim 0", tg_gather(x, 0, i));
        TIME("scatter_add 1000x1000 dim 1", tg_scatter_add(x, 1, i, x));
        TIME("scatter_add 1000x1000 dim 0", tg_scatter_add(x, 0, i, x));
        list[0] = list[1] = list[2] = list[3] = x;
        TIME("cat 4 x 1000x1000 dim 0", tg_cat(list, 4, 0));
        TIME("cat 4 x 1000x1000 dim 1", tg_cat(list, 4, 1));
        i = tg_randint(tg, 0, 1000, TG_SHAPE(4096));
        TIME("one_hot 4096 x 1000", tg_one_hot(i, 1000));
        x = tg_randn(tg, TG_SHAPE(64, 1000)); i = tg_randint(tg, 0, 1000, TG_SHAPE(64, 1));
        TIME("gather 64x1000 by 64x1", tg_gather(x, 1, i));
        tg_close(tg);
    }
}
