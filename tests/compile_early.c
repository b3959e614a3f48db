/* The names that the design promises to survive, defined before anything at all was included: the implementation and what it includes come after them. */
#define min(a, b) ((a) < (b) ? (a) : (b))
#define max(a, b) ((a) > (b) ? (a) : (b))
#define near
#define far
#define small char
#define interface struct
#define I nonsense()
#define ERROR 0
#define IN
#define OUT
#define CONST const
#define DELETE (0x00010000L)
#define None 0L
#define Status int
#define check(x) nonsense(x)
#define MAX(a, b) nonsense(a, b)
#define MIN(a, b) nonsense(a, b)
#define ADD(a) nonsense(a)
#define MUL nonsense
#define ZERO 7
#define ONE() nonsense
#define X 3
#define K 1024
#define TENSORGRAD_IMPLEMENTATION
#include "tensorgrad.h"
#include <stdio.h>
int main(void) {
    tg_ctx *tg = tg_open(NULL);
    bool same = max(min(1, 2), 0) == 1 && ERROR == 0 && ZERO == 7 && X == 3 && K == 1024 && sizeof(small) == 1 && None == 0L && DELETE == 0x10000L;
    Status near far one = 1;
    bool ok = same && one == 1 && tg_item(tg_sum(tg_ones(tg, TG_SHAPE(3)))) == 3;
    tg_close(tg);
    printf(ok ? "ok\n" : "FAIL\n");
    return !ok;
}
