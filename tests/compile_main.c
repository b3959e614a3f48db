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
#ifndef TENSORGRAD_NO_IO
    if (tg_npy_load(tg, "build/no such file.npy") || !tg_failed(tg)) { printf("FAIL a missing file went unnoticed\n"); return 1; }
    tg_clear(tg);
#endif
    /* f64 is kept, moved and converted by every build */
    {
        tg_tensor *d = tg_to(tg_arange(tg, 0, 12, 1, TG_F32), TG_F64), *t = tg_contiguous(tg_t(tg_reshape(d, TG_SHAPE(3, 4))));
        if (!t || tg_item(tg_select(tg_select(t, 0, 1), 0, 2)) != 9 || tg_item(tg_select(tg_sort(d, 0, true, NULL), 0, 0)) != 11) { printf("FAIL f64 is not kept\n"); return 1; }
        if (!(tg_item(tg_std(tg_to(d, TG_F32), 1)) > 3.605 && tg_item(tg_std(tg_to(d, TG_F32), 1)) < 3.606)) { printf("FAIL std\n"); return 1; }
        {                                          /* what is made in f64 where it is there, in f32 else */
            tg_cov_args cov;
            for (i = 0; i < sizeof cov; i++) ((char *)&cov)[i] = 0;
            cov.x = tg_to(t, TG_F32); cov.aweights = tg_ones(tg, TG_SHAPE(3));
            if (!tg_cov_from(&cov) || !tg_cdist(cov.x, cov.x, 2, TG_CDIST_MATMUL)) { printf("FAIL cov, cdist: %s\n", tg_error_text(tg)); return 1; }
        }
#ifdef TENSORGRAD_NO_F64
        if (tg_exp(d) || tg_error(tg) != TG_ERROR_UNSUPPORTED) { printf("FAIL exp of f64: %s\n", tg_error_text(tg)); return 1; }
        tg_clear(tg);
        if (tg_matmul(t, tg_t(t)) || tg_error(tg) != TG_ERROR_UNSUPPORTED) { printf("FAIL matmul of f64: %s\n", tg_error_text(tg)); return 1; }
        tg_clear(tg);
        if (tg_sum(d) || tg_softmax(d, 0) || tg_cross_entropy(t, tg_zeros(tg, TG_SHAPE(4))) || !tg_failed(tg)) { printf("FAIL sum of f64\n"); return 1; }
        tg_clear(tg);
        if (tg_randn(tg, TG_SHAPE(3)) == NULL || tg_normal_(d, 0, 1)) { printf("FAIL random f64\n"); return 1; }
        tg_clear(tg);
#endif
    }
    (void)tg_threads(tg, 2);                           /* may fail, without threads in this build */
    tg_clear(tg);
    if (!(tg_item(tg_sum(tg_ones(tg, TG_SHAPE(1000, 1000)))) == 1e6)) { printf("FAIL sum of a million ones\n"); return 1; }
    printf("ok %s\n", tg_isa_name(tg));
    tg_close(tg);
    return 0;
}
