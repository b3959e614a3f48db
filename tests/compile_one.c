/* The first file of a program of two: holds main, calls the other with its own context. With TENSORGRAD_STATIC each has an implementation of its own. */
#ifndef COMPILE_SHARED
#define TENSORGRAD_IMPLEMENTATION
#endif
#include "tensorgrad.h"
#include <stdio.h>
#ifdef __cplusplus
extern "C"
#endif
double compile_two(tg_ctx *tg);
int main(void) {
    tg_ctx *tg = tg_open(NULL);
    double got = compile_two(tg);
    tg_close(tg);
    if (got == 8) printf("ok\n");
    else printf("FAIL %g\n", got);
    return got == 8 ? 0 : 1;
}
