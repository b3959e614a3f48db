/* The same bits: one set of inputs through every instruction set, with 1, 2, 3 and 8 threads of the context's own, with a host's job system on threads, and with one that runs the bodies
   last to first. For one instruction set the results must be equal whatever runs them; in strict mode also between instruction sets, where plain C computes FMA in software.
   The hash of the strict results is printed, for comparing compilers and flags: tests/test_bits_builds.sh; with the argument `hash` only that is computed and printed.
   The inputs are made from integers, so that no flag changes them, and a NaN counts as one value.   run.sh flags: -lpthread */
#ifndef TENSORGRAD_SOFT_FMA
#define TENSORGRAD_SOFT_FMA            /* strict mode on the plain pass too */
#endif
#include "test.h"
#include <pthread.h>

typedef tg_tensor *(*row_fn)(tg_tensor *const *x);
typedef struct row { const char *name, *domain; int n; row_fn call; } row;
#define ARGS_N1(n) , 0.75
#define ARGS_N2(n, m) , -0.75, 1.25
#define TG_F1(name, types, saves, value, dx, domain, doc)                   static tg_tensor *name##_call(tg_tensor *const *x) { return (name)(x[0]); }
#define TG_F1P(name, numbers, types, saves, value, dx, domain, doc)         static tg_tensor *name##_call(tg_tensor *const *x) { return (name)(x[0] ARGS_##numbers); }
#define TG_F2(name, types, saves, value, da, db, domain, doc)               static tg_tensor *name##_call(tg_tensor *const *x) { return (name)(x[0], x[1]); }
#define TG_F2P(name, numbers, types, saves, value, da, db, domain, doc)     static tg_tensor *name##_call(tg_tensor *const *x) { return (name)(x[0], x[1] ARGS_##numbers); }
#define TG_F3(name, types, saves, value, da, db, dc, domain, doc)           static tg_tensor *name##_call(tg_tensor *const *x) { return (name)(x[0], x[1], x[2]); }
#define TG_F3P(name, numbers, types, saves, value, da, db, dc, domain, doc) static tg_tensor *name##_call(tg_tensor *const *x) { return (name)(x[0], x[1], x[2] ARGS_##numbers); }
#define TG_READ_ROWS
#include "../tensorgrad.h"
#define TG_F1(name, types, saves, value, dx, domain, doc)                   { #name, #domain, 1, name##_call },
#define TG_F1P(name, numbers, types, saves, value, dx, domain, doc)         { #name, #domain, 1, name##_call },
#define TG_F2(name, types, saves, value, da, db, domain, doc)               { #name, #domain, 2, name##_call },
#define TG_F2P(name, numbers, types, saves, value, da, db, domain, doc)     { #name, #domain, 2, name##_call },
#define TG_F3(name, types, saves, value, da, db, dc, domain, doc)           { #name, #domain, 3, name##_call },
#define TG_F3P(name, numbers, types, saves, value, da, db, dc, domain, doc) { #name, #domain, 3, name##_call },
static const row rows[] = {
#define TG_READ_ROWS
#include "../tensorgrad.h"
};
enum { ROWS = (int)(sizeof rows / sizeof rows[0]) };

/* ---- inputs: bits put together ---- */
static uint32_t state;
static uint32_t next(void) { state = state * 1664525u + 1013904223u; return (state >> 16 ^ state << 11) * 2654435761u; }
/* Magnitudes from 2^low to 2^high, both signs unless positive; one in 256 is a special value when asked. */
static double number(int low, int high, bool positive, bool specials, bool wide) {
    uint64_t u = (uint64_t)next() << 32, bits;
    double d;
    u |= next();
    if (specials && (u & 255) == 7) {
        static const uint64_t odd[8] = { 0, 0x8000000000000000u, 0x7ff0000000000000u, 0xfff0000000000000u, 0x7ff8000000000000u, 0x3ff0000000000000u, 0x3800000000000000u, 0xb6b0000000000000u };
        bits = odd[u >> 8 & 7];
    } else bits = ((uint64_t)(1023 + low + (int)(u >> 40) % (high - low)) << 52) | (positive ? 0 : (u & 256) << 55) | (wide ? u * 0x9e3779b97f4a7c15u & 0xfffffffffffffu : (u & 0x7fffff) << 29);
    memcpy(&d, &bits, 8);
    return d;
}
static tg_tensor *numbers(tg_ctx *tg, int ndim, const int64_t *shape, tg_dtype d, const char *domain, bool specials) {
    tg_tensor *t = tg_empty(tg, ndim, shape, d == TG_F64 ? TG_F64 : TG_F32);
    bool positive = strcmp(domain, "POSITIVE") == 0 || strcmp(domain, "ABOVE_1") == 0;
    int low = strcmp(domain, "ABOVE_1") == 0 ? 0 : -6, high = strcmp(domain, "UNIT") == 0 ? 0 : specials ? 7 : 3;
    int64_t i;
    for (i = 0; t && i < t->numel; i++) {
        double v = number(low, high, positive, specials, d == TG_F64);
        if (d == TG_F64) ((double *)t->data)[i] = v; else {
            uint64_t bits;
            uint32_t u;
            memcpy(&bits, &v, 8);
            if (bits == 0x3800000000000000u) u = 0x00400000u;               /* subnormal floats: the caller may run with them flushed (-Ofast) */
            else if (bits == 0xb6b0000000000000u) u = 0x80000002u;
            else { float f = (float)v; memcpy(&u, &f, 4); }
            memcpy((float *)t->data + i, &u, 4);
        }
    }
    return d == TG_F32 || d == TG_F64 ? t : tg_to(t, d);
}

/* ---- results: one hash for each thing computed, with its name ---- */
typedef struct results { int n; const char *name[1000]; uint64_t hash[1000]; } results;
static void result(results *r, const char *name, tg_tensor *t) {
    size_t size, i, count;
    unsigned char *p;
    uint64_t h = 0;
    if (r->n >= 1000) { CHECK_MSG(false, "more results than room"); return; }
    r->name[r->n] = name;
    if (!CHECK_MSG(t != NULL, "%s gave nothing", name)) { r->hash[r->n++] = 0; return; }
    count = (size_t)t->numel; size = count * tg_dtype_size(t->dtype);
    p = (unsigned char *)malloc(size + 8);
    if (!tg_read(t, p, size)) memset(p, 1, size);
    for (i = 0; i < count; i++) {
        if (t->dtype == TG_F32) { uint32_t u; memcpy(&u, p + 4 * i, 4); if ((u & 0x7fffffffu) > 0x7f800000u) { u = 0x7fc00000u; memcpy(p + 4 * i, &u, 4); } }
        else if (t->dtype == TG_F64) { uint64_t u; memcpy(&u, p + 8 * i, 8); if ((u & 0x7fffffffffffffffu) > 0x7ff0000000000000u) { u = 0x7ff8000000000000u; memcpy(p + 8 * i, &u, 8); } }
        else if (t->dtype == TG_F16) { uint16_t u; memcpy(&u, p + 2 * i, 2); if ((u & 0x7fff) > 0x7c00) { u = 0x7e00; memcpy(p + 2 * i, &u, 2); } }
        else if (t->dtype == TG_BF16) { uint16_t u; memcpy(&u, p + 2 * i, 2); if ((u & 0x7fff) > 0x7f80) { u = 0x7fc0; memcpy(p + 2 * i, &u, 2); } }
    }
    h = 14695981039346656037u ^ size;                                      /* eight bytes at a time: this runs often */
    for (i = 0; i + 8 <= size; i += 8) { uint64_t u; memcpy(&u, p + i, 8); h = (h ^ u) * 0x9e3779b97f4a7c15u; h ^= h >> 29; }
    for (; i < size; i++) h = (h ^ p[i]) * 1099511628211u;
    free(p);
    r->hash[r->n++] = h;
}

static void compute(tg_ctx *tg, results *r, bool big) {
    static const tg_dtype floats[4] = { TG_F32, TG_F64, TG_F16, TG_BF16 };
    static const int64_t gemms[][3] = { { 1, 1, 700 }, { 5, 7, 3 }, { 37, 53, 129 }, { 4, 4, 5000 }, { 64, 300, 600 }, { 1, 513, 300 }, { 129, 1, 1030 }, { 17, 65, 513 }, { 3, 530, 520 }, { 7, 3000, 610 }, { 143, 493, 530 }, { 1025, 1030, 33 } };
    int64_t shape[4];
    tg_mark m;
    int i, k, d;
    r->n = 0;
    state = 12345;
    for (i = 0; i < ROWS; i++) for (d = 0; d < 2; d++) {                    /* every row: more than one chunk with a remainder, special values; then the derivative on strided operands */
        tg_tensor *x[3], *y, *g;
        m = tg_begin(tg);
        shape[0] = big ? 17003 : 1003;
        for (k = 0; k < rows[i].n; k++) {
            x[k] = numbers(tg, 1, shape, floats[d], rows[i].domain, true);
            if (k == 0 && strcmp(rows[i].name, "tg_where") == 0) x[k] = tg_gt(x[k], tg_number(tg, 0));
        }
        result(r, rows[i].name, rows[i].call(x));
        shape[0] = 31; shape[1] = 37;
        for (k = 0; k < rows[i].n; k++) {
            x[k] = numbers(tg, 2, shape, floats[d], rows[i].domain, false);
            if (k == 0 && strcmp(rows[i].name, "tg_where") == 0) x[k] = tg_gt(x[k], tg_number(tg, 0));
            else tg_require_grad(x[k], true);
        }
        for (k = 0; k < rows[i].n; k++) if (k % 2 == 0) x[k] = tg_t(x[k]); else x[k] = tg_t(tg_slice_dim(x[k], 0, INT64_MAX, INT64_MIN, -1));
        y = rows[i].call(x);
        if (y && y->requires_grad) {
            for (k = rows[i].n - 1; k >= 0 && !x[k]->requires_grad; k--) { }
            if (tg_grad(&y, 1, &x[k], 1, &g, .grad_outputs = &x[k], .allow_unused = true) && g) result(r, rows[i].name, g);
        }
        tg_end(tg, m);
    }
    for (d = 0; d < 4; d++) {                                               /* half types through a chain, conversions */
        tg_tensor *x, *y;
        m = tg_begin(tg);
        shape[0] = big ? 20011 : 2011;
        x = numbers(tg, 1, shape, floats[d], "REAL", true);
        result(r, "tanh(x) * x", tg_mul(tg_tanh(x), x));
        for (k = 0; k < 4; k++) result(r, "to", tg_to(x, floats[k]));
        result(r, "to i32", tg_to(tg_clamp(x, -1000, 1000), TG_I32));
        shape[0] = 61; shape[1] = 301;
        x = numbers(tg, 2, shape, floats[d], "REAL", false);
        y = tg_t(x);
        result(r, "sum", tg_sum(x)); result(r, "sum of strided", tg_sum(y));
        result(r, "sum last", tg_sum_dims(x, TG_DIMS(-1), false)); result(r, "sum first", tg_sum_dims(x, TG_DIMS(0), false)); result(r, "sum strided last", tg_sum_dims(y, TG_DIMS(-1), true));
        result(r, "mean", tg_mean(y)); result(r, "mean first", tg_mean_dims(x, TG_DIMS(0), false)); result(r, "var", tg_var_dims(x, TG_DIMS(-1), 1, false));
        result(r, "prod", tg_prod_dim(x, 1, false)); result(r, "amax", tg_amax_dims(y, TG_DIMS(-1), false)); result(r, "amin", tg_amin_dims(x, TG_DIMS(-1), false));
        result(r, "argmax", tg_argmax_dim(x, 0, false)); result(r, "argmin", tg_argmin_dim(x, 1, false));
        result(r, "softmax", tg_softmax(x, -1)); result(r, "softmax first", tg_softmax(x, 0)); result(r, "softmax strided", tg_softmax(y, 1)); result(r, "log_softmax", tg_log_softmax(x, -1));
        result(r, "sort", tg_sort(x, -1, false, NULL)); result(r, "sort down", tg_sort(y, -1, true, &x)); result(r, "sort's indices", x);
        result(r, "topk of strided", tg_topk(y, 5, -1, true, &x)); result(r, "topk's indices", x);
        tg_end(tg, m);
        m = tg_begin(tg);
        shape[0] = big ? 70001 : 7001;
        x = numbers(tg, 1, shape, floats[d], "REAL", false);
        result(r, "long sum", tg_sum(x)); result(r, "long mean", tg_mean(x)); result(r, "strided sum", tg_sum(tg_slice_dim(x, 0, 0, INT64_MAX, 3))); result(r, "long softmax", tg_softmax(x, 0));
        result(r, "long sort", tg_sort(x, 0, false, NULL));
        result(r, "topk", tg_topk(x, 20, 0, true, &y)); result(r, "topk's indices", y); result(r, "topk down", tg_topk(x, 20, 0, false, NULL));
        result(r, "kthvalue", tg_kthvalue(x, 3000, 0, false, &y)); result(r, "kthvalue's index", y);
        tg_end(tg, m);
        for (i = 0; i < (int)(sizeof gemms / sizeof gemms[0]); i++) {
            tg_tensor *a, *b;
            m = tg_begin(tg);
            if (!big && (i == 4 || i >= 9)) { tg_end(tg, m); continue; }
            shape[0] = gemms[i][0]; shape[1] = gemms[i][2];
            a = numbers(tg, 2, shape, floats[d], "REAL", false);
            shape[0] = gemms[i][2]; shape[1] = gemms[i][1];
            b = numbers(tg, 2, shape, floats[d], "REAL", false);
            result(r, "matmul", tg_matmul(a, b));
            result(r, "matmul of turned", tg_matmul(tg_t(tg_contiguous(tg_t(a))), b));
            result(r, "matmul by turned", tg_matmul(a, tg_t(tg_contiguous(tg_t(b)))));
            if (i < 3) { shape[0] = 3; shape[1] = gemms[i][2]; shape[2] = gemms[i][1]; result(r, "batched", tg_matmul(a, numbers(tg, 3, shape, floats[d], "REAL", false))); }
            tg_end(tg, m);
        }
    }
    for (d = 0; d < 2; d++) {                                               /* convolution with its gradients, indices */
        tg_tensor *x[3], *y, *g[3], *index;
        m = tg_begin(tg);
        shape[0] = 2; shape[1] = 6; shape[2] = 13; shape[3] = 11;
        x[0] = tg_require_grad(numbers(tg, 4, shape, floats[d], "REAL", false), true);
        shape[0] = 10; shape[1] = 6; shape[2] = 3; shape[3] = 3;
        x[1] = tg_require_grad(numbers(tg, 4, shape, floats[d], "REAL", false), true);
        x[2] = tg_require_grad(numbers(tg, 1, shape, floats[d], "REAL", false), true);
        y = tg_conv2d(x[0], x[1], x[2], .padding = {1, 1});
        result(r, "conv2d", y);
        result(r, "conv2d, stride 2", tg_conv2d(x[0], x[1], NULL, .stride = {2, 2}, .padding = {1, 0}));
        if (y && tg_grad(&y, 1, x, 3, g, .grad_outputs = &y)) for (k = 0; k < 3; k++) result(r, "conv2d's gradients", g[k]);
        y = tg_conv3d(tg_reshape(x[0], TG_SHAPE(1, 12, 13, 11, 1)), tg_reshape(tg_narrow(x[1], 0, 0, 8), TG_SHAPE(4, 12, 3, 3, 1)), NULL, .padding = {1, 1, 0}, .stride = {2, 1, 1});
        result(r, "conv3d", y);
        if (y && tg_grad(&y, 1, x, 2, g, .grad_outputs = &y)) for (k = 0; k < 2; k++) result(r, "conv3d's gradients", g[k]);
        y = tg_conv_transpose2d(x[0], tg_reshape(x[1], TG_SHAPE(6, 10, 3, 3)), x[2], .stride = {2, 1}, .padding = {1, 1}, .output_padding = {1, 0});
        result(r, "conv_transpose2d", y);
        if (y && tg_grad(&y, 1, x, 3, g, .grad_outputs = &y)) for (k = 0; k < 3; k++) result(r, "conv_transpose2d's gradients", g[k]);
        shape[0] = 500; shape[1] = 33;
        x[0] = numbers(tg, 2, shape, floats[d], "REAL", false);
        index = tg_randint(tg, 0, 40, TG_SHAPE(500));
        result(r, "randint", index);
        result(r, "index_select", tg_index_select(x[0], 0, index));
        result(r, "index_add", tg_index_add(tg_narrow(x[0], 0, 0, 40), 0, index, x[0]));
        result(r, "scatter_add", tg_scatter_add(tg_narrow(x[0], 0, 0, 40), 0, tg_expand(tg_unsqueeze(index, 1), 2, shape), x[0]));
        result(r, "cross_entropy", tg_cross_entropy(tg_index_select(tg_t(x[0]), 1, index), tg_randint(tg, 0, 500, TG_SHAPE(33))));
        for (k = 0; k < 19; k++) {                             /* short rows, long ones, channels, rows of 4 to 19 */
            tg_tensor *in[3];
            in[0] = tg_require_grad(tg_contiguous(tg_clone(k == 1 ? tg_t(x[0]) : tg_narrow(x[0], 1, 0, k < 3 ? 33 : k + 1))), true);
            in[1] = tg_require_grad(tg_contiguous(tg_select(in[0], 0, 1)), true); in[2] = tg_require_grad(tg_contiguous(tg_select(in[0], 0, 2)), true);
            y = k == 2 ? tg_batch_norm(tg_detach(in[0]), NULL, NULL, in[1], in[2], true, 0.1, 1e-5) : tg_layer_norm(in[0], TG_SHAPE(in[1]->numel), in[1], in[2], 1e-5);
            result(r, k == 2 ? "batch_norm" : "layer_norm", y);
            if (!y || !tg_grad(&y, 1, in, 3, g, .grad_outputs = in, .allow_unused = true)) continue;
            for (i = 0; i < 3; i++) if (g[i]) result(r, "a normalisation's gradients", g[i]);
        }
        tg_end(tg, m);
    }
    m = tg_begin(tg);
    tg_seed(tg, 42);
    result(r, "rand", tg_rand(tg, TG_SHAPE(big ? 40003 : 403)));
    result(r, "randn", tg_randn(tg, TG_SHAPE(big ? 40003 : 403)));
    result(r, "bernoulli", tg_bernoulli(tg_rand(tg, TG_SHAPE(1003))));
    result(r, "dropout", tg_dropout(tg_randn(tg, TG_SHAPE(5, 1003)), 0.3, true));
    result(r, "normal_", tg_normal_(tg_t(tg_empty(tg, TG_SHAPE(33, 5), TG_F64)), 1, 2));
    result(r, "uniform_", tg_uniform_(tg_empty(tg, TG_SHAPE(33, 5), TG_BF16), -1, 2));
    tg_end(tg, m);
    CHECK_OK(tg);
}

/* ---- who runs the bodies ---- */
static void last_to_first(void *user, int64_t count, void (*body)(void *arg, int64_t i), void *arg) { (void)user; while (count > 0) body(arg, --count); }
typedef struct gang { pthread_t thread; int64_t first, count; void (*body)(void *arg, int64_t i); void *arg; } gang;
static void *gang_work(void *user) { gang *g = (gang *)user; int64_t i; for (i = g->first; i < g->count; i += 3) g->body(g->arg, i); return NULL; }
static void on_threads(void *user, int64_t count, void (*body)(void *arg, int64_t i), void *arg) {
    gang g[3];
    int i, n = 0;
    (void)user;
    for (i = 0; i < 3; i++) {
        g[i].first = i; g[i].count = count; g[i].body = body; g[i].arg = arg;
        if (i < 2 && i + 1 < count && pthread_create(&g[n].thread, NULL, gang_work, &g[i]) == 0) n++; else gang_work(&g[i]);
    }
    for (i = 0; i < n; i++) pthread_join(g[i].thread, NULL);
}
static const char *const ways[] = { "1 thread", "2 threads", "3 threads", "8 threads", "a host's threads", "a host from last to first" };
enum { WAYS = 6 };
static bool run(tg_isa isa, bool strict, int way, bool big, results *r) {
    static const int threads[WAYS] = { 1, 2, 3, 8, 0, 0 };
    tg_config c = test_config(NULL);
    tg_ctx *tg;
    c.isa = isa; c.strict = strict; c.threads = threads[way];
    if (way == 4) { c.hooks.parallel_for = on_threads; c.hooks.jobs_width = 3; }
    if (way == 5) { c.hooks.parallel_for = last_to_first; c.hooks.jobs_width = 1; }
    tg = tg_open(&c);
    if (!CHECK_MSG(tg != NULL, "no context with isa %d", (int)isa)) return false;
    compute(tg, r, big);
    tg_close(tg);
    return true;
}
static void compare(const results *a, const results *b, const char *what, const char *with) {
    int i;
    if (!CHECK_MSG(a->n == b->n, "%s against %s: %d and %d results", what, with, a->n, b->n)) return;
    for (i = 0; i < a->n; i++) CHECK_MSG(a->hash[i] == b->hash[i], "%s against %s: other bits in %s (result %d)", what, with, a->name[i], i);
}
static uint64_t sum_of(const results *r) { return test_hash(0, r->hash, (size_t)r->n * sizeof r->hash[0]); }

int main(int argc, char **argv) {
    static const tg_isa sets[] = { TG_ISA_PLAIN, TG_ISA_AVX2, TG_ISA_AVX512, TG_ISA_NEON, TG_ISA_SIMD128 };
    static const char *const names[] = { "plain", "avx2", "avx512", "neon", "simd128" },
        *const strict_names[] = { "plain, strict", "avx2, strict", "avx512, strict", "neon, strict", "simd128, strict" };
    static results first, strict_first, strict_small, r;
    const char *strict_name = NULL;
    int s, way, i;
    if (argc > 1 && strcmp(argv[1], "hash") == 0) {                         /* hash [plain | list]: of the small set; `list` prints each result's */
        if (!run(argc > 2 && strcmp(argv[2], "plain") == 0 ? TG_ISA_PLAIN : TG_ISA_BEST, true, 0, false, &r)) return 1;
        if (argc > 2 && strcmp(argv[argc - 1], "list") == 0) for (i = 0; i < r.n; i++) printf("%d %s %08lx%08lx\n", i, r.name[i], (unsigned long)(r.hash[i] >> 32), (unsigned long)(r.hash[i] & 0xffffffffu));
        printf("bits: hash %08lX%08lX\n", (unsigned long)(sum_of(&r) >> 32), (unsigned long)(sum_of(&r) & 0xffffffffu));
        return test_failed != 0;
    }
    for (s = 0; s < 5; s++) {
        char with[64];
        if (!tg_isa_supported(sets[s])) continue;
        for (way = 0; way < WAYS; way++) {
            if (!run(sets[s], false, way, true, way ? &r : &first)) continue;
            snprintf(with, sizeof with, "%s", ways[way]);
            if (way) compare(&first, &r, names[s], with);
        }
        if (!run(sets[s], true, 0, false, s ? &r : &strict_small)) continue;     /* the small set is what the hash is of */
        if (s) compare(&strict_small, &r, strict_names[0], strict_names[s]);
        for (way = 0; way < WAYS; way++) {
            if (s == 0 ? way != 3 : way % 3 != 0 && s > 1) continue;            /* FMA in software: once */
            if (!run(sets[s], true, way, true, strict_name ? &r : &strict_first)) continue;
            if (strict_name) compare(&strict_first, &r, strict_name, strict_names[s]);
            strict_name = strict_names[s];
        }
    }
    printf("bits: hash %08lX%08lX\n", (unsigned long)(sum_of(&strict_small) >> 32), (unsigned long)(sum_of(&strict_small) & 0xffffffffu));
    return test_end("bits");
}
