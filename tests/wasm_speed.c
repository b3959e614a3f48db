/* What wasm.sh prints of speed: a product of matrices of 256 x 256 and exp, by each instruction set of the build. For information: nothing is asserted. */
#include "tensorgrad.h"
#include <stdio.h>
#include <string.h>

static double least(tg_ctx *tg, bool product, tg_tensor *a, int times) {      /* milliseconds of one call, the least of many */
    double best = 1e9, now;
    int i;
    for (i = 0; i < times; i++) {
        tg_mark m = tg_begin(tg);
        now = tg_seconds(tg);
        if (product) tg_matmul(a, a); else tg_exp(a);
        now = (tg_seconds(tg) - now) * 1e3;
        if (now < best) best = now;
        tg_end(tg, m);
    }
    return best;
}
int main(void) {
    static const tg_isa sets[] = { TG_ISA_PLAIN, TG_ISA_SIMD128 };
    int i;
    for (i = 0; i < 2; i++) {
        tg_config c;
        tg_ctx *tg;
        memset(&c, 0, sizeof c);
        c.isa = sets[i];
        if (!tg_isa_supported(c.isa) || (tg = tg_open(&c)) == NULL) continue;
        printf("%s: a product of 256 x 256 %.2f ms, exp of a million %.2f ms; ", tg_isa_name(tg), least(tg, true, tg_rand(tg, TG_SHAPE(256, 256)), 40),
            least(tg, false, tg_rand(tg, TG_SHAPE(1000, 1000)), 10));
        tg_close(tg);
    }
    printf("\n");
    return 0;
}
