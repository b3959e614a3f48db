/* A plugin: a shared object with the implementation inside, that trains a little each time it is asked. compile_host.c loads and unloads it. */
#define TENSORGRAD_IMPLEMENTATION
#define TG_API static __attribute__((unused))
#include "tensorgrad.h"
#include "compile_step.h"
double plugin_run(int steps, int threads);
double plugin_run(int steps, int threads) {
    tg_config config;
    tg_ctx *tg;
    double loss;
    memset(&config, 0, sizeof config);
    config.threads = threads;
    tg = tg_open(&config);
    if (!tg) return -1;
    loss = step_train(tg, steps);
    if (threads) loss += tg_item(tg_mean(tg_randn(tg, TG_SHAPE(300, 300)))) * 1e-9;
    tg_close(tg);
    return loss;
}
