/* A whole program: trains, makes one call of each family, makes mistakes on purpose. Prints ok. Built by compile.sh with every compiler, flag and option;
   COMPILE_SHARED: only declarations, the implementation is in another file. */
#ifndef COMPILE_SHARED
#define TENSORGRAD_IMPLEMENTATION
#endif
#ifndef COMPILE_HEADER
#define COMPILE_HEADER "tensorgrad.h"
#endif
#include COMPILE_HEADER
#include "compile_step.h"

static void quiet(void *user, tg_log_level level, const char *text) { (void)user; (void)level; (void)text; }

int main(void) {
    tg_config config;
    tg_ctx *tg;
    double loss;
    unsigned char *zero = (unsigned char *)&config;
    size_t i;
    for (i = 0; i < sizeof config; i++) zero[i] = 0;
    config.hooks.log = quiet;
    config.seed = 3;
    tg = tg_open(&config);
    if (!tg) { printf("FAIL tg_open\n"); return 1; }
    loss = step_train(tg, 300);
    if (!(loss >= 0 && loss < 0.1)) { printf("FAIL loss %g after 300 steps\n", loss); return 1; }
    if (!step_ops(tg)) return 1;
    if (tg_matmul(tg_zeros(tg, TG_SHAPE(2, 3)), tg_zeros(tg, TG_SHAPE(2, 3))) || tg_error(tg) != TG_ERROR_SHAPE || !tg_error_text(tg)[0]) { printf("FAIL a wrong shape went unnoticed\n"); return 1; }
    tg_clear(tg);
    if (tg_npy_load(tg, "build/no such file.npy") || !tg_failed(tg)) { printf("FAIL a missing file went unnoticed\n"); return 1; }
    tg_clear(tg);
    (void)tg_threads(tg, 2);                           /* may fail, without threads in this build */
    tg_clear(tg);
    if (!(tg_item(tg_sum(tg_ones(tg, TG_SHAPE(1000, 1000)))) == 1e6)) { printf("FAIL sum of a million ones\n"); return 1; }
    printf("ok %s\n", tg_isa_name(tg));
    tg_close(tg);
    return 0;
}
