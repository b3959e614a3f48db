/* Whole training steps, and a call of each family, on a fiber whose stack is painted: how much of it was touched? Prints the bytes; ok if 16 KB were enough.
   compile_fiber [isa name] */
#define _GNU_SOURCE
#define _XOPEN_SOURCE 700
#ifndef COMPILE_SHARED
#define TENSORGRAD_IMPLEMENTATION
#endif
#include "tensorgrad.h"
#include "compile_step.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define STACK ((size_t)256 << 10)          /* room for seeing how far beyond 16 KB it goes */
static ucontext_t host, fiber;
static void (*job)(void);
static tg_ctx *tg;
static tg_isa isa;
static bool ok;
static double loss;
static void quiet(void *user, tg_log_level level, const char *text) { (void)user; (void)level; (void)text; }

static void job_nothing(void) { ok = true; }
static void job_open(void) {
    tg_config config;
    memset(&config, 0, sizeof config);
    config.hooks.log = quiet;
    config.seed = 3;
    config.isa = isa;
    tg = tg_open(&config);
    ok = tg != NULL;
}
static void job_train(void)   { loss = step_train(tg, 50); ok = loss >= 0; }
static void job_ops(void)     { ok = step_ops(tg); }
static tg_tensor *big(void)   { return tg_require_grad(tg_randn(tg, TG_SHAPE(150, 170)), true); }
static void job_matmul(void)  { tg_mark m = tg_begin(tg); tg_tensor *a = big(); tg_backward_args b = { {NULL, 0}, NULL, false, NULL, false }; b.loss = tg_sum(tg_matmul(a, tg_t(a))); ok = tg_backward_from(&b); tg_end(tg, m); }
static void job_half(void)    { tg_mark m = tg_begin(tg); tg_tensor *a = tg_to(big(), TG_BF16); ok = tg_sum(tg_exp(tg_matmul(a, tg_t(a)))) != NULL; tg_end(tg, m); }
static void job_second(void) {
    tg_mark m = tg_begin(tg);
    tg_tensor *x = tg_require_grad(tg_randn(tg, TG_SHAPE(3, 4)), true), *y = tg_sum(tg_mul(tg_tanh(x), tg_erf(x))), *g = NULL, *g2 = NULL;
    tg_grad_args a;
    memset(&a, 0, sizeof a);
    a.outputs = &y; a.n_outputs = 1; a.inputs = &x; a.n_inputs = 1; a.gradients = &g; a.create_graph = true;
    ok = tg_grad_from(&a);
    y = tg_sum(tg_square(g));
    a.gradients = &g2; a.create_graph = false;
    ok = ok && tg_grad_from(&a);
    tg_end(tg, m);
}
static void job_print(void) {
    static char text[4096];
    tg_mark m = tg_begin(tg);
    tg_tensor *x = tg_require_grad(tg_randn(tg, TG_SHAPE(3, 40, 5)), true), *y = tg_sum(tg_sin(x));
    ok = tg_format(x, text, sizeof text) > 0 && tg_format_stats(y, text, sizeof text) > 0 && tg_tape_text(y, text, sizeof text) > 0 && tg_tape_dot(y, text, sizeof text) > 0;
    tg_end(tg, m);
}
static void job_error(void)   { tg_mark m = tg_begin(tg); ok = tg_matmul(big(), big()) == NULL && tg_error(tg) == TG_ERROR_SHAPE; tg_clear(tg); tg_end(tg, m); }
static void job_files(void) {
    tg_mark m = tg_begin(tg);
    ok = tg_npy_save(big(), "build/fiber.npy") && tg_npy_load(tg, "build/fiber.npy") != NULL;
    tg_end(tg, m);
}
static bool cube(void *user, tg_tensor *const *in, int n_in, tg_tensor **out, int n_out) {
    (void)user; (void)n_in; (void)n_out;
    out[0] = tg_sum(tg_mul(in[0], tg_square(tg_tanh(in[0]))));
    return out[0] != NULL;
}
static void job_check(void) {
    tg_mark m = tg_begin(tg);
    tg_tensor *x = tg_require_grad(tg_to(tg_randn(tg, TG_SHAPE(2, 3)), TG_F64), true), *y = NULL;
    tg_function_call call;
    tg_gradcheck_args a;
    tg_backward_args b;
    x = tg_require_grad(tg_detach(x), true);
    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
    call.f = cube; call.user = NULL; call.inputs = &x; call.n_inputs = 1; call.n_outputs = 1;
    a.call = &call;
    a.second = true;
    ok = tg_gradcheck_from(&a) && tg_jacobian(&call, 0, 0) && tg_checkpoint(&call, &y);
    b.loss = y;
    ok = ok && tg_backward_from(&b);
    tg_end(tg, m);
}
static void job_close(void)   { tg_close(tg); ok = true; }

static void enter(void) { job(); }

static size_t run(const char *name, void (*what)(void), char *stack, size_t base) {
    size_t i, used;
    memset(stack, 0xa5, STACK);
    ok = false;
    job = what;
    getcontext(&fiber);
    fiber.uc_stack.ss_sp = stack;
    fiber.uc_stack.ss_size = STACK;
    fiber.uc_link = &host;
    makecontext(&fiber, enter, 0);
    swapcontext(&host, &fiber);
    for (i = 0; i < STACK && (unsigned char)stack[i] == 0xa5; i++) { }
    used = STACK - i;
    if (base) printf("  stack of %-10s %6lu bytes\n", name, (unsigned long)used);
    if (!ok) printf("FAIL %s on the fiber: %s\n", name, tg_error_text(tg));
    return used;
}

int main(int argc, char **argv) {
    static const struct { const char *name; void (*what)(void); } jobs[] = {
        { "open", job_open }, { "train", job_train }, { "ops", job_ops }, { "matmul", job_matmul }, { "bf16", job_half }, { "second", job_second },
        { "print", job_print }, { "error", job_error }, { "files", job_files }, { "check", job_check }, { "close", job_close },
    };
    char *stack = (char *)mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    size_t i, used, most = 0;
    bool all = true;
    if (stack == (char *)MAP_FAILED) { printf("FAIL mmap\n"); return 1; }
    if (argc > 1) isa = (tg_isa)atoi(argv[1]);
    if (isa && !tg_isa_supported(isa)) { printf("skip: this machine lacks the instruction set %d\n", (int)isa); return 0; }
    (void)run("nothing", job_nothing, stack, 0);
    for (i = 0; i < sizeof jobs / sizeof jobs[0]; i++) {
        used = run(jobs[i].name, jobs[i].what, stack, 1);
        if (i == 0) printf("  pass: %s\n", tg ? tg_isa_name(tg) : "none");
        if (used > most) most = used;
        all = all && ok;
        if (!tg) return 1;
    }
    printf("stack: %lu bytes\n", (unsigned long)most);
    if (!(most <= 16384)) { printf("FAIL more than 16 KB of stack: %lu bytes\n", (unsigned long)most); return 1; }
    if (all) printf("ok\n");
    return !all;
}
