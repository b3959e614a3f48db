/* Strict mode: every formula, reduction, product, softmax and convolution with their gradients, hashed, once per instruction set of this build and machine.
   compile.sh builds this with many compilers and flags; every line 'bits' of all of them must show the same number.
   Argument `loose`: not in strict mode; plain C and instruction sets without a fused multiply-add show the same number then too. Another argument: each step's hash.
   COMPILE_SHARED: only declarations, the implementation is in another file. */
#ifndef TENSORGRAD_SOFT_FMA
#define TENSORGRAD_SOFT_FMA            /* strict mode on the plain pass too */
#endif
#ifndef COMPILE_SHARED
#define TENSORGRAD_IMPLEMENTATION
#endif
#include "tensorgrad.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t hash;
static bool each;                                         /* print each step's hash */
static void add_bytes(const void *p, size_t n) { const unsigned char *b = (const unsigned char *)p; while (n--) hash = (hash ^ *b++) * 1099511628211u; }
static void add_tensor(const char *name, tg_tensor *t) {
    static double buffer[1 << 14];
    size_t size = t ? (size_t)t->numel * tg_dtype_size(t->dtype) : 0, i;
    if (!t || size > sizeof buffer || !tg_read(t, buffer, size)) { printf("FAIL %s\n", name); return; }
    if (t->dtype == TG_F32) for (i = 0; i < size / 4; i++) { uint32_t w; memcpy(&w, (char *)buffer + 4 * i, 4); if ((w & 0x7fffffffu) > 0x7f800000u) w = 0x7fc00000u; memcpy((char *)buffer + 4 * i, &w, 4); }
    if (t->dtype == TG_F64) for (i = 0; i < size / 8; i++) { uint64_t w; memcpy(&w, buffer + i, 8); if ((w & 0x7fffffffffffffffu) > 0x7ff0000000000000u) w = 0x7ff8000000000000u; memcpy(buffer + i, &w, 8); }
    add_bytes(buffer, size);
    if (each) printf("  %-24s %016llx\n", name, (unsigned long long)hash);
}
static bool quietly_backward(tg_tensor *y) {              /* with gradient 1 everywhere */
    tg_backward_args b;
    memset(&b, 0, sizeof b);
    b.loss = y;
    b.gradient = tg_ones_like(y);
    return tg_backward_from(&b);
}
static void add_op(const char *name, tg_tensor *y, tg_tensor **in, int n) {
    int i;
    add_tensor(name, y);
    if (!y || !y->requires_grad) return;
    if (!quietly_backward(y)) { printf("FAIL %s: %s\n", name, tg_error_text(y->tg)); tg_clear(y->tg); return; }
    for (i = 0; i < n; i++) if (in[i]->grad) { add_tensor(name, in[i]->grad); tg_zero_grad(in[i]); }
}

static void formulas(tg_ctx *tg, tg_dtype dtype) {
    tg_tensor *in[3];
    int i;
    static float v[3][97];
    for (i = 0; i < 97; i++) {                            /* exact in f32, of many sizes and both signs */
        v[0][i] = (float)((i * 37 % 97) - 48) / 16.0f;
        v[1][i] = (float)((i * 53 % 97) - 40) / 32.0f;
        v[2][i] = (float)((i * 29 % 97) - 30) * (float)(1 << (i % 12)) / 64.0f;
    }
    for (i = 0; i < 3; i++) in[i] = tg_require_grad(tg_to(tg_from_f32(tg, TG_SHAPE(97), v[i]), dtype), true);
    if (dtype == TG_F64) for (i = 0; i < 3; i++) in[i] = tg_require_grad(tg_detach(in[i]), true);
#define TG_F1(name, types, saves, value, dx, domain, doc)                   { tg_mark m = tg_begin(tg); add_op(#name, name(in[0]), in, 1); add_op(#name, name(in[2]), in + 2, 1); tg_end(tg, m); }
#define ARGS_N1(n) , 0.75
#define ARGS_N2(n, m) , 0.75, 1.25
#define TG_F1P(name, numbers, types, saves, value, dx, domain, doc)         { tg_mark m = tg_begin(tg); add_op(#name, (name)(in[0] ARGS_##numbers), in, 1); tg_end(tg, m); }
#define TG_F2(name, types, saves, value, da, db, domain, doc)               { tg_mark m = tg_begin(tg); add_op(#name, name(in[0], in[1]), in, 2); add_op(#name, name(in[2], in[0]), in, 3); tg_end(tg, m); }
#define TG_F2P(name, numbers, types, saves, value, da, db, domain, doc)     { tg_mark m = tg_begin(tg); add_op(#name, (name)(in[0], in[1] ARGS_##numbers), in, 2); tg_end(tg, m); }
#define TG_F3(name, types, saves, value, da, db, dc, domain, doc)           { tg_mark m = tg_begin(tg); if (strcmp(#name, "tg_where")) add_op(#name, name(in[0], in[1], in[2]), in, 3); else add_op(#name, name(tg_gt(in[0], in[1]), in[1], in[2]), in, 3); tg_end(tg, m); }
#define TG_F3P(name, numbers, types, saves, value, da, db, dc, domain, doc) { tg_mark m = tg_begin(tg); add_op(#name, (name)(in[0], in[1], in[2] ARGS_##numbers), in, 3); tg_end(tg, m); }
#define TG_READ_ROWS
#include "../tensorgrad.h"
}

static void families(tg_ctx *tg) {
    tg_mark m = tg_begin(tg);
    tg_tensor *in[2], *y;
    tg_conv2d_args c;
    in[0] = tg_require_grad(tg_randn(tg, TG_SHAPE(37, 53)), true);
    in[1] = tg_require_grad(tg_rand(tg, TG_SHAPE(53, 29)), true);
    add_tensor("randn", in[0]);
    add_tensor("rand", in[1]);
    add_op("matmul", tg_matmul(in[0], in[1]), in, 2);
    add_op("sum", tg_sum(in[0]), in, 1);
    add_op("mean over 0", tg_mean_dims(in[0], TG_DIMS(0), false), in, 1);
    add_op("mean over 1", tg_mean_dims(in[0], TG_DIMS(1), false), in, 1);
    add_op("var", tg_var_dims(in[0], TG_DIMS(1), 1, false), in, 1);
    add_op("prod", tg_prod_dim(in[1], 0, false), in, 2);
    add_op("amax", tg_amax_dims(in[0], TG_DIMS(1), false), in, 1);
    add_op("softmax", tg_softmax(in[0], 1), in, 1);
    add_op("softmax over 0", tg_softmax(in[0], 0), in, 1);
    add_op("log_softmax", tg_log_softmax(in[0], 1), in, 1);
    add_op("cross_entropy", tg_cross_entropy(in[0], tg_randint(tg, 0, 53, TG_SHAPE(37))), in, 1);
    add_op("dropout", tg_dropout(in[0], 0.25, true), in, 1);
    add_op("bf16 matmul", tg_to(tg_matmul(tg_to(in[0], TG_BF16), tg_to(in[1], TG_BF16)), TG_F32), in, 2);
    add_op("f16 matmul", tg_to(tg_matmul(tg_to(in[0], TG_F16), tg_to(in[1], TG_F16)), TG_F32), in, 2);
    add_op("f64 matmul", tg_matmul(tg_to(in[0], TG_F64), tg_to(in[1], TG_F64)), in, 2);
    add_op("matrix x vector", tg_matmul(in[0], tg_select(in[1], 1, 3)), in, 2);
    add_op("dot", tg_matmul(tg_select(tg_matmul(in[0], in[1]), 0, 1), tg_select(in[1], 0, 2)), in, 2);
    {
        tg_tensor *w[2];
        w[0] = tg_require_grad(tg_randn(tg, TG_SHAPE(2, 6, 11, 9)), true);
        w[1] = tg_require_grad(tg_randn(tg, TG_SHAPE(4, 3, 3, 2)), true);
        memset(&c, 0, sizeof c);
        c.x = w[0]; c.weight = w[1]; c.groups = 2; c.padding[0] = 1; c.stride[1] = 2; c.dilation[0] = 2;
        add_op("conv2d", tg_conv2d_from(&c), w, 2);
    }
    in[0] = tg_randn(tg, TG_SHAPE(3, 1500));              /* one after the other: compilers choose the order of arguments */
    in[1] = tg_randn(tg, TG_SHAPE(1500, 3));
    y = tg_matmul(in[0], in[1]);
    add_tensor("long reduction", y);
    in[0] = tg_randn(tg, TG_SHAPE(70, 1100));
    in[1] = tg_randn(tg, TG_SHAPE(1100, 66));
    y = tg_matmul(in[0], in[1]);
    add_tensor("several blocks of K", y);
    if (tg_failed(tg)) { printf("FAIL families: %s\n", tg_error_text(tg)); tg_clear(tg); }
    tg_end(tg, m);
}

static void quiet(void *user, tg_log_level level, const char *text) { (void)user; (void)level; (void)text; }

int main(int argc, char **argv) {
    int isa;
    const bool loose = argc > 1 && strcmp(argv[1], "loose") == 0;
    each = argc > 1 + (int)loose;
    for (isa = TG_ISA_PLAIN; isa <= TG_ISA_SIMD128; isa++) {
        tg_config config;
        tg_ctx *tg;
        if (!tg_isa_supported((tg_isa)isa)) continue;
        memset(&config, 0, sizeof config);
        config.hooks.log = quiet;
        config.isa = (tg_isa)isa;
        config.strict = !loose;
        config.seed = 11;
        tg = tg_open(&config);
        if (!tg) { printf("FAIL tg_open for instruction set %d\n", isa); return 1; }
        hash = 14695981039346656037u;
        formulas(tg, TG_F32);
        formulas(tg, TG_F64);
        families(tg);
        printf("bits %016llx %s\n", (unsigned long long)hash, tg_isa_name(tg));
        tg_close(tg);
    }
    return 0;
}
