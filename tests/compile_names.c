/* The real headers that define such names, where the system has them, then the implementation; their macros still work afterwards. */
#include <sys/param.h>
#include <complex.h>
#include <math.h>
#include <stdio.h>
#include <assert.h>
#include <string.h>
#define TENSORGRAD_IMPLEMENTATION
#include "tensorgrad.h"
int main(void) {
    double complex z = 2.0 * I;
    tg_ctx *tg = tg_open(NULL);
    bool ok = MAX(1, 2) == 2 && MIN(1, 2) == 1 && cimag(z) == 2 && tg_item(tg_sum(tg_ones(tg, TG_SHAPE(3)))) == 3;
    assert(ok);
    tg_close(tg);
    printf(ok ? "ok\n" : "FAIL\n");
    return !ok;
}
