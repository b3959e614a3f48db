/* Measures for budgets.sh. budgets time COMMAND...: runs it, prints its seconds and megabytes. budgets: the times of tg_open and of small operations, in this process. */
#define _DEFAULT_SOURCE
#include <time.h>
static double start_seconds;
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec; }
#define TENSORGRAD_IMPLEMENTATION
#include "tensorgrad.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static int time_command(char **argv) {
    double begin = now();
    struct rusage use;
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) { execvp(argv[0], argv); _exit(127); }
    if (pid < 0 || wait4(pid, &status, 0, &use) < 0) return 1;
    printf("%.2f %.0f\n", now() - begin, (double)use.ru_maxrss / 1024);
    return status != 0;
}
static double resident(void) {
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)use.ru_maxrss / 1024;
}

int main(int argc, char **argv) {
    double best, t;
    tg_ctx *tg;
    tg_tensor *a, *b, *w;
    int i, k;
    if (argc > 2 && strcmp(argv[1], "time") == 0) return time_command(argv + 2);
    start_seconds = now();
    tg = tg_open(NULL);
    t = tg_item(tg_sum(tg_add(tg_ones(tg, TG_SHAPE(4)), tg_ones(tg, TG_SHAPE(4)))));
    printf("  start to first result %9.1f us, %.1f MB resident          budget 1000 us, 3 MB\n", (now() - start_seconds) * 1e6, resident());
    if (t != 8) printf("FAIL 2 + 2 + 2 + 2 is %g\n", t);
    tg_close(tg);

    for (best = 1e9, i = 0; i < 50; i++) {
        t = now();
        tg = tg_open(NULL);
        t = now() - t;
        if (t < best) best = t;
        tg_close(tg);
    }
    printf("  tg_open               %9.1f us                            budget 50 us\n", best * 1e6);

    tg = tg_open(NULL);
    a = tg_randn(tg, TG_SHAPE(4));
    b = tg_randn(tg, TG_SHAPE(4));
    for (best = 1e9, i = 0; i < 30; i++) {
        t = now();
        for (k = 0; k < 200; k++) {
            tg_mark m = tg_begin(tg);
            int j;
            for (j = 0; j < 10; j++) (void)tg_add(a, b);
            tg_end(tg, m);
        }
        t = (now() - t) / 2000;
        if (t < best) best = t;
    }
    printf("  tiny op, 4 elements   %9.1f ns                            budget 60 ns\n", best * 1e9);

    w = tg_require_grad(tg_randn(tg, TG_SHAPE(4)), true);
    for (best = 1e9, i = 0; i < 30; i++) {
        t = now();
        for (k = 0; k < 200; k++) {
            tg_mark m = tg_begin(tg);
            tg_tensor *x = w;
            int j;
            for (j = 0; j < 20; j++) x = tg_mul(x, a);
            (void)tg_backward(tg_sum(x));
            (void)tg_zero_grad(w);
            tg_end(tg, m);
        }
        t = (now() - t) / 200 / 21;
        if (t < best) best = t;
    }
    printf("  tiny op with its backward %5.1f ns                            budget 200 ns\n", best * 1e9);
    tg_close(tg);
    return 0;
}
