/* The unit that limits are counted in: run.sh times how long this machine needs to compile this file and to run it, with the work below. Do not change it. Prints nothing. */
#include <stdint.h>
#include <string.h>

static uint32_t table[1 << 16];
static uint64_t state = 88172645463325252u;
static uint64_t draw(void) { state ^= state << 13; state ^= state >> 7; state ^= state << 17; return state; }
static double polynomial(double x) { double y = 1; int i; for (i = 0; i < 12; i++) y = y * x + (double)i; return y; }

int main(void) {
    double sum = 0;
    int i, k;
    for (i = 0; i < 48000000; i++) {
        uint32_t at = (uint32_t)(draw() >> 48);
        table[at] += (uint32_t)i ^ table[(at + 4097u) & 0xffffu];
        if ((i & 3) == 0) sum += polynomial((double)table[at] * 1e-9);
    }
    for (k = 0; k < 200; k++) { memmove(table, table + 1, sizeof table - sizeof table[0]); sum += table[k]; }
    return sum == 0.5;
}
