/* run.sh flags: -Wl,--no-as-needed -lm -lpthread */
/* Writing in place through views: what is refused and what is computed, held against an oracle that lists the places of all elements. Random as_strided pairs over one
   storage, pairs of tensors over one buffer of the caller's, every way to write, gradients through views of one base, the same bits with any number of threads. */
#include "test.h"
#include <math.h>

static int64_t rnd(int64_t low, int64_t high) { return low + (int64_t)(test_random() % (uint32_t)(high - low + 1)); }

static double number(const void *p, tg_dtype d) {
    float f; double v; int16_t i;
    if (d == TG_F32) { memcpy(&f, p, 4); return f; }
    if (d == TG_F64) { memcpy(&v, p, 8); return v; }
    if (d == TG_I16) { memcpy(&i, p, 2); return i; }
    return *(const int8_t *)p;
}

/* ---- the oracle: byte offsets of all elements, in order ---- */
#define ROOM 4096
typedef struct places { int64_t n, size, at[ROOM]; } places;
static places places_of(const tg_tensor *t, const void *from) {
    places p;
    int64_t index[TG_MAX_DIMS] = { 0 };
    int d;
    p.size = (int64_t)tg_dtype_size(t->dtype);
    for (p.n = 0; p.n < t->numel && p.n < ROOM; p.n++) {
        p.at[p.n] = (const char *)t->data - (const char *)from;
        for (d = 0; d < t->ndim; d++) p.at[p.n] += index[d] * t->stride[d] * p.size;
        for (d = t->ndim - 1; d >= 0; d--) { if (++index[d] < t->shape[d]) break; index[d] = 0; }
    }
    return p;
}
static bool repeats(const places *p) {
    int64_t i, j;
    for (i = 0; i < p->n; i++) for (j = 0; j < i; j++) if (p->at[i] == p->at[j]) return true;
    return false;
}
static bool share(const places *a, const places *b) {
    int64_t i, j;
    for (i = 0; i < a->n; i++) for (j = 0; j < b->n; j++) if (a->at[i] < b->at[j] + b->size && b->at[j] < a->at[i] + a->size) return true;
    return false;
}
static bool equal(const places *a, const places *b) {
    int64_t i;
    for (i = 0; i < a->n; i++) if (a->n != b->n || a->size != b->size || a->at[i] != b->at[i]) return false;
    return true;
}

/* A view of `room` elements of t that stays inside; of that shape, or of a random one. */
static tg_tensor *strided(tg_tensor *t, int64_t room, int ndim, const int64_t *like, int64_t widest) {
    for (;;) {
        int64_t shape[4], stride[4], low = 0, high = 0;
        int d;
        if (!like) ndim = (int)rnd(0, 3);
        for (d = 0; d < ndim; d++) {
            shape[d] = like ? like[d] : rnd(1, 4);
            stride[d] = rnd(-widest, widest);
            if (stride[d] < 0) low += (shape[d] - 1) * stride[d]; else high += (shape[d] - 1) * stride[d];
        }
        if (high - low < room) return tg_as_strided(t, ndim, shape, stride, rnd(-low, room - 1 - high));
    }
}

/* ---- one pair: is it refused exactly when it must be, and is the result that of copies? ---- */
static int refused_repeats, refused_shared, passed_same, passed_apart;
static void pair(tg_ctx *tg, const void *memory, size_t bytes, tg_tensor *a, tg_tensor *b) {
    static char before[8 * ROOM], want[8 * ROOM];
    places pa = places_of(a, memory), pb;
    int way;
    bool same_dtype = a->dtype == b->dtype;
    { tg_mark m = tg_begin(tg); tg_tensor *wide = tg_expand(b, a->ndim, a->shape); pb = places_of(wide, memory); tg_end(tg, m); }
    memcpy(before, memory, bytes);
    for (way = 0; way < 3; way++) {                                    /* two operands: a formula's row, the same row with a factor, copy_ */
        tg_mark m = tg_begin(tg);
        tg_tensor *was = tg_clone(a), *other = tg_clone(b), *r = way == 0 ? tg_sub(was, other) : way == 1 ? tg_lerp(was, other, tg_number(tg, 0.25)) : tg_expand(other, a->ndim, a->shape), *y;
        if (way == 1 && (!tg_dtype_is_float(a->dtype) || !same_dtype)) { tg_clear(tg); tg_end(tg, m); continue; }
        CHECK_OK(tg);
        y = way == 0 ? tg_sub_(a, b) : way == 1 ? tg_lerp_(a, b, tg_number(tg, 0.25)) : tg_copy_(a, b);
        if (repeats(&pa)) { refused_repeats++; CHECK(!y && strstr(tg_error_text(tg), "share memory")); CHECK_ERROR(tg, TG_ERROR_SHAPE); CHECK(memcmp(memory, before, bytes) == 0); }
        else if (share(&pa, &pb) && !(equal(&pa, &pb) && a->storage == b->storage)) { refused_shared++; CHECK(!y && strstr(tg_error_text(tg), "shares memory")); CHECK_ERROR(tg, TG_ERROR_SHAPE); CHECK(memcmp(memory, before, bytes) == 0); }
        else {
            places pr;
            int64_t i;
            r = tg_contiguous(tg_to(r, a->dtype));
            pr = places_of(r, r->data);
            if (share(&pa, &pb)) passed_same++; else passed_apart++;
            memcpy(want, before, bytes);
            for (i = 0; i < pa.n; i++) memcpy(want + pa.at[i], (char *)r->data + pr.at[i], (size_t)pa.size);
            CHECK(y == a); CHECK_OK(tg); CHECK(memcmp(memory, want, bytes) == 0);
        }
        memcpy((char *)(uintptr_t)memory, before, bytes);
        tg_end(tg, m);
    }
    for (way = 0; way < 6; way++) {                                    /* a alone */
        tg_mark m = tg_begin(tg);
        char data[8 * ROOM];
        bool ok, bad = repeats(&pa);
        int64_t at[4] = { 0 }, i;
        if (way == 3 && !tg_dtype_is_float(a->dtype)) { tg_end(tg, m); continue; }
        memset(data, 1, sizeof data);
        if (way == 0) {                                                /* elements repeated by stride 0 are filled once each */
            places once; int k; tg_tensor *part = a;
            for (k = 0; k < a->ndim; k++) if (a->stride[k] == 0 && a->shape[k] > 1) part = tg_narrow(part, k, 0, 1);
            once = places_of(part, memory);
            bad = repeats(&once);
        }
        ok = way == 0 ? tg_fill_(a, 2) == a : way == 1 ? tg_write(a, data, (size_t)(pa.n * pa.size)) : way == 2 ? tg_set(a, at, 2) : way == 3 ? tg_uniform_(a, 2, 3) == a : way == 4 ? tg_neg_(a) == a : tg_add_(a, tg_integer(tg, 1)) == a;
        CHECK_MSG(ok == !bad, "way %d: %d, expected %d: %s", way, ok, !bad, tg_error_text(tg));
        if (bad) { CHECK_ERROR(tg, TG_ERROR_SHAPE); CHECK(memcmp(memory, before, bytes) == 0); }
        for (i = 0; ok && way == 0 && i < pa.n; i++) CHECK(number((const char *)memory + pa.at[i], a->dtype) == 2);
        for (i = 0; ok && way == 3 && i < pa.n; i++) { double v = number((const char *)memory + pa.at[i], a->dtype); CHECK(v >= 2 && v <= 3); }
        for (i = 0; ok && way == 4 && i < pa.n; i++) CHECK(number((const char *)memory + pa.at[i], a->dtype) == -number(before + pa.at[i], a->dtype));
        if (ok) {                                                      /* nothing else was written */
            memcpy(want, memory, bytes);
            for (i = 0; i < pa.n; i++) memcpy(want + pa.at[i], before + pa.at[i], (size_t)pa.size);
            CHECK(memcmp(want, before, bytes) == 0);
        }
        memcpy((char *)(uintptr_t)memory, before, bytes);
        tg_clear(tg);
        tg_end(tg, m);
    }
}

static void test_pairs(void) {
    static const tg_dtype types[] = { TG_F32, TG_F64, TG_I16, TG_I8 };
    tg_ctx *tg = test_open();
    int round;
    for (round = 0; round < (test_all() ? 20000 : 3000); round++) {
        tg_mark m = tg_begin(tg);
        tg_dtype d = types[rnd(0, 3)];
        int64_t room = rnd(20, 60), widest = rnd(1, 12);
        tg_tensor *whole = tg_to(tg_arange(tg, 1, (double)room + 1, 1, TG_F32), d), *a = strided(whole, room, 0, NULL, widest), *b;
        int skip = a->ndim ? (int)rnd(0, a->ndim) : 0;                 /* b is broadcast sometimes */
        if (rnd(0, 1)) skip = 0;
        b = rnd(0, 9) == 0 ? tg_as_strided(whole, a->ndim, a->shape, a->stride, ((char *)a->data - (char *)whole->data) / (int64_t)tg_dtype_size(d))
            : strided(whole, room, a->ndim - skip, a->shape + skip, widest);
        CHECK_OK(tg);
        pair(tg, whole->data, (size_t)room * tg_dtype_size(d), a, b);
        tg_end(tg, m);
    }
    CHECK(refused_repeats > 100 && refused_shared > 100 && passed_same > 100 && passed_apart > 100);
    for (round = 0; round < 1000; round++) {                           /* two tensors over one buffer, of two types */
        tg_mark m = tg_begin(tg);
        static double buffer[64];
        tg_dtype da = types[rnd(0, 3)], db = types[rnd(0, 3)];
        int64_t sa = (int64_t)tg_dtype_size(da), sb = (int64_t)tg_dtype_size(db), na = rnd(20, 400 / sa), nb = rnd(20, 400 / sb), i;
        tg_tensor *wa = tg_wrap(tg, 1, &na, da, (char *)buffer + rnd(0, (512 - na * sa) / sa) * sa), *wb = tg_wrap(tg, 1, &nb, db, (char *)buffer + rnd(0, (512 - nb * sb) / sb) * sb), *a, *b;
        if (tg_dtype_is_float(db) && !tg_dtype_is_float(da)) { tg_end(tg, m); continue; }
        for (i = 0; i < 64; i++) buffer[i] = 1;                        /* finite in every type, and so in the shared bytes */
        if (da != TG_F64 && db != TG_F64) for (i = 0; i < 512; i++) ((char *)buffer)[i] = 1;
        a = strided(wa, na, 0, NULL, 8); b = strided(wb, nb, a->ndim, a->shape, 8);
        CHECK_OK(tg);
        pair(tg, buffer, sizeof buffer, a, b);
        tg_end(tg, m);
    }
    test_close(tg);
}

/* ---- what cannot be told cheaply: refused where it is written, copied where it is read ---- */
static void test_unknown(void) {
    uint64_t hash[3] = { 0, 0, 0 };
    int t;
    for (t = 0; t < 3; t++) {
        tg_ctx *tg = test_open();
        const int64_t shape[5] = { 2, 10, 10, 10, 10 }, sa[5] = { 1, 3 * 211, 3 * 223, 3 * 227, 3 * 229 }, sb[5] = { 0, 3 * 197, 3 * 199, 3 * 193, 3 * 191 };
        int64_t shape_b[5] = { 1, 10, 10, 10, 10 };
        tg_tensor *whole = tg_normal_(tg_empty(tg, TG_SHAPE(40000), TG_F32), 0, 1), *a, *b, *y, *z;
        CHECK(tg_threads(tg, t == 0 ? 1 : t == 1 ? 2 : 8));
        /* places 3 i and 3 i + 1 are written, 3 i + 2 are read: no rule but the search itself sees that they never meet */
        a = tg_as_strided(whole, 5, shape, sa, 0); b = tg_as_strided(whole, 5, shape_b, sb, 2);
        CHECK(!tg_add_(a, b)); CHECK_ERROR(tg, TG_ERROR_SHAPE);       /* that a itself repeats nothing cannot be told either */
        /* a plain written tensor, and a read one whose strides are as bad */
        { const int64_t size[2] = { 10000, 2 }, step[2] = { 3, 1 };
          a = tg_as_strided(whole, 2, size, step, 0);
          z = tg_clone(a); y = tg_reshape(tg_contiguous(b), TG_SHAPE(10000, 1)); z = tg_add(z, y);
          CHECK(tg_add_(a, tg_reshape(y, TG_SHAPE(10000, 1)))); CHECK(tg_equal(a, z)); }
        { const int64_t size[5] = { 2, 10, 10, 10, 10 }, step[5] = { 1, 3, 30, 300, 3000 };
          a = tg_as_strided(whole, 5, size, step, 0);
          z = tg_mul(tg_clone(a), tg_clone(b)); CHECK(tg_mul_(a, b) == a); CHECK(tg_equal(a, z)); CHECK_OK(tg);
          z = tg_expand(tg_clone(b), 5, size); CHECK(tg_copy_(a, b) == a); CHECK(tg_equal(a, z)); CHECK_OK(tg); }
        /* interleaved, shifted where they do not meet, reversed onto itself: many chunks */
        CHECK(tg_mul_(tg_slice(whole, "::2"), tg_slice(whole, "1::2"))); CHECK(tg_add_(tg_slice(whole, ":20000"), tg_slice(whole, "20000:"))); CHECK_OK(tg);
        CHECK(!tg_add_(tg_slice(whole, "1:"), tg_slice(whole, ":-1"))); CHECK_ERROR(tg, TG_ERROR_SHAPE);
        CHECK(!tg_copy_(whole, tg_slice(whole, "::-1"))); CHECK_ERROR(tg, TG_ERROR_SHAPE);
        { tg_tensor *s = tg_view(whole, TG_SHAPE(200, 200)); CHECK(!tg_add_(s, tg_t(s))); CHECK_ERROR(tg, TG_ERROR_SHAPE); CHECK(!tg_add_(s, tg_select(s, 0, 3))); CHECK_ERROR(tg, TG_ERROR_SHAPE);
          CHECK(tg_add_(s, tg_view(whole, TG_SHAPE(200, 200))) == s && tg_mul_(tg_t(s), tg_t(s)) && tg_copy_(tg_slice(s, ":, :100"), tg_slice(s, ":, 100:")) && tg_sub_(tg_slice(s, "::2, :"), tg_slice(s, "1::2, :"))); CHECK_OK(tg);
          CHECK(tg_write(tg_t(s), whole->data, 160000)); CHECK_OK(tg); }                        /* transposed by way of a copy */
        hash[t] = test_hash(0, whole->data, 160000);
        test_close(tg);
    }
    CHECK(hash[0] == hash[1] && hash[1] == hash[2]);
}

static void test_unknown_memory(void) {                                   /* each allocation of that copy fails once: an error, and nothing is written */
    test_heap heap = TEST_HEAP;
    for (heap.fail_at = 1; ; heap.fail_at++) {
        const int64_t sa[5] = { 1, 3, 30, 300, 3000 }, sb[5] = { 0, 3 * 197, 3 * 199, 3 * 193, 3 * 191 }, shape[5] = { 2, 10, 10, 10, 10 }, shape_b[5] = { 1, 10, 10, 10, 10 };
        tg_ctx *tg = test_open_heap(&heap);
        tg_tensor *whole = tg ? tg_ones(tg, TG_SHAPE(40000)) : NULL, *a, *b;
        if (whole) {
            a = tg_as_strided(whole, 5, shape, sa, 0); b = tg_as_strided(whole, 5, shape_b, sb, 2);
            if (!tg_add_(a, b)) { CHECK_ERROR(tg, TG_ERROR_MEMORY); CHECK(tg_item(tg_sum(whole)) == 40000); }
            else CHECK(tg_item(tg_sum(whole)) == 60000);
            tg_clear(tg);
        }
        test_close(tg);
        if (!test_heap_ended(&heap)) break;
    }
}

/* ---- fill_ and zero_ of expanded tensors ---- */
static void test_fill(void) {
    tg_ctx *tg = test_open();
    tg_tensor *x = tg_require_grad(tg_ones(tg, TG_SHAPE(3, 1)), true), *b = tg_mul_scalar(x, 2), *e = tg_expand(b, TG_SHAPE(4, 3, 5)), *y;
    int64_t huge[2] = { (int64_t)1 << 40, 3 }, live;
    CHECK(tg_fill_(tg_select(e, 1, 1), 7)); CHECK(tg_get(b, (int64_t[2]){ 1, 0 }) == 7 && tg_get(b, (int64_t[2]){ 0, 0 }) == 2);
    y = tg_sum(e); CHECK(tg_item(y) == 20 * (2 + 7 + 2)); CHECK(tg_backward(y)); CHECK(tg_get(x->grad, (int64_t[2]){ 0, 0 }) == 40 && tg_get(x->grad, (int64_t[2]){ 1, 0 }) == 0);
    CHECK(!tg_zero_(tg_expand(x, TG_SHAPE(3, 4)))); CHECK_ERROR(tg, TG_ERROR_GRAD);
    y = tg_expand(tg_ones(tg, TG_SHAPE(3)), 2, huge); live = tg_memory(tg).live_tensors; CHECK(tg_zero_(y) == y && tg_get(y, (int64_t[2]){ 9, 1 }) == 0); CHECK_INT(tg_memory(tg).live_tensors, live);      /* one of each */
    CHECK(!tg_normal_(y, 0, 1)); CHECK_ERROR(tg, TG_ERROR_SHAPE);
    test_close(tg);
}

/* ---- gradients: views of one base, written in turn. Right, or an error ---- */
static void test_gradients(void) {
    tg_ctx *tg = test_open();
    int round, right = 0, refused = 0, wrong = 0;
    for (round = 0; round < 3000; round++) {
        tg_mark m = tg_begin(tg);
        double value[40], weight[40], grad[40], saved[3][2][64];
        struct { int op; places a, b; } step[3];
        tg_tensor *x = tg_empty(tg, TG_SHAPE(40), TG_F64), *base, *w = tg_empty(tg, TG_SHAPE(40), TG_F64);
        int64_t widest = rnd(1, 9), i;
        int k, n = 0;
        for (i = 0; i < 40; i++) { value[i] = test_uniform(0.5, 1.5); weight[i] = test_uniform(-1, 1); }
        CHECK(tg_write(x, value, sizeof value) && tg_write(w, weight, sizeof weight));
        base = tg_mul_scalar(tg_require_grad(x, true), 1);
        for (k = 0; k < 3; k++) {
            tg_tensor *a = strided(base, 40, 0, NULL, widest), *b = strided(base, 40, a->ndim, a->shape, widest), *y;
            int op = (int)rnd(0, 4);
            if (rnd(0, 7) == 0) b = a;
            y = op == 0 ? tg_add_(a, b) : op == 1 ? tg_copy_(a, b) : op == 2 ? tg_mul_(a, b) : op == 3 ? tg_exp_(a) : tg_fill_(a, 3);
            if (!y) { CHECK_ERROR(tg, TG_ERROR_SHAPE); continue; }
            step[n].op = op; step[n].a = places_of(a, base->data); step[n].b = places_of(b, base->data);
            for (i = 0; i < step[n].a.n; i++) {                       /* the same by hand */
                double *p = &value[step[n].a.at[i] / 8], *q = &value[step[n].b.at[i] / 8];
                saved[n][0][i] = *p; saved[n][1][i] = *q;
                *p = op == 0 ? *p + *q : op == 1 ? *q : op == 2 ? *p * *q : op == 3 ? exp(*p) : 3;
            }
            n++;
        }
        for (i = 0; i < 40; i++) CHECK(test_near(((double *)base->data)[i], value[i], 1e-12 * fabs(value[i])));
        memcpy(grad, weight, sizeof grad);
        for (k = n - 1; k >= 0; k--) {
            for (i = 0; i < step[k].a.n; i++) {
                double *p = &grad[step[k].a.at[i] / 8], *q = &grad[step[k].b.at[i] / 8], g = *p;
                if (step[k].op == 0) *q += g;
                if (step[k].op == 1) { *p = 0; *q += g; }
                if (step[k].op == 2) { *p = g * saved[k][1][i]; *q += g * saved[k][0][i]; }
                if (step[k].op == 3) *p = g * exp(saved[k][0][i]);
                if (step[k].op == 4) *p = 0;
            }
        }
        if (!tg_backward(tg_sum(tg_mul(base, w)))) { refused++; CHECK_ERROR(tg, TG_ERROR_GRAD); }
        else {
            bool ok = true;
            for (i = 0; i < 40; i++) ok = ok && test_near(((double *)x->grad->data)[i], grad[i], 1e-9 * (1 + fabs(grad[i])));
            if (ok) right++; else wrong++;
        }
        tg_end(tg, m);
    }
    CHECK_INT(wrong, 0); CHECK(right > 500 && refused > 100);
    test_close(tg);
}

/* Sums and products so far over small integers wrap as their type does; of bools there are none. */
static void test_scans(void) {
    tg_ctx *tg = test_open();
    static const int64_t v[3] = { 100, 100, 3 };
    tg_tensor *x = tg_from(tg, TG_SHAPE(3), TG_I64, v), *y;
    CHECK((y = tg_cumsum_(tg_to(x, TG_I8), 0)) != NULL && y->dtype == TG_I8 && ((signed char *)y->data)[1] == -56 && ((signed char *)y->data)[2] == -53);
    CHECK((y = tg_cumprod_(tg_to(x, TG_U8), 0)) != NULL && y->dtype == TG_U8 && ((unsigned char *)y->data)[1] == 16 && ((unsigned char *)y->data)[2] == 48);
    CHECK((y = tg_cumprod_(tg_to(x, TG_I32), 0)) != NULL && ((int32_t *)y->data)[2] == 30000);
    CHECK(!tg_cumsum_(tg_to(x, TG_BOOL), 0)); CHECK_ERROR(tg, TG_ERROR_DTYPE);
    test_close(tg);
}

int main(void) {
    test_scans();
    test_pairs();
    test_unknown();
    test_unknown_memory();
    test_fill();
    test_gradients();
    return test_end("inplace");
}
