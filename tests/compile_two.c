/* The second file of a program: sees the declarations only (or with TENSORGRAD_STATIC has an implementation of its own). compile_main is the first. */
#ifdef TENSORGRAD_STATIC
#define TENSORGRAD_IMPLEMENTATION
#endif
#include "tensorgrad.h"
#ifdef __cplusplus
extern "C"
#endif
double compile_two(tg_ctx *tg);
double compile_two(tg_ctx *tg) { return tg_item(tg_sum(tg_add(tg_ones(tg, TG_SHAPE(2, 2)), tg_number(tg, 1)))); }
