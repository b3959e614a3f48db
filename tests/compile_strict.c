/* A strict context rounds a product and a sum one by one, or cannot be opened and says why: clang -ffp-contract=fast fuses against all pragmas.
   Argument `refused`: this build must refuse, with those instruction sets that fuse. Argument `missing`: without TENSORGRAD_SOFT_FMA plain C has no FMA, and is refused with that name. */
#define TENSORGRAD_IMPLEMENTATION
#include "tensorgrad.h"
#include <stdio.h>
#include <string.h>
static char said[512];
static void hear(void *user, tg_log_level level, const char *text) { (void)user; if (level == TG_LOG_ERROR && strlen(text) < sizeof said) memcpy(said, text, strlen(text) + 1); }
int main(int argc, char **argv) {
    static const tg_isa sets[] = { TG_ISA_PLAIN, TG_ISA_AVX2, TG_ISA_AVX512, TG_ISA_NEON, TG_ISA_SIMD128 };
    int refused = 0, kept = 0, missing = 0, k;
    for (k = 0; k < 5; k++) {
        tg_config c;
        tg_ctx *tg;
        memset(&c, 0, sizeof c);
        c.strict = true; c.isa = sets[k]; c.hooks.log = hear;
        if (!tg_isa_supported(sets[k])) continue;
        said[0] = 0;
        tg = tg_open(&c);
        if (tg) {
            volatile double b = 1.000244140625, a = -1.00048828125;            /* 1 + 2^-12, -(1 + 2^-11) */
            double y = tg_item(tg_add_scaled(tg_full(tg, TG_SHAPE(1), a, TG_F32), tg_full(tg, TG_SHAPE(1), b, TG_F32), b));
            if (y < 0 || y > 0 || said[0]) { printf("FAIL %s: fused: %g %s\n", tg_isa_name(tg), y, said); return 1; }
            kept++;
            tg_close(tg);
        } else if (sets[k] == TG_ISA_PLAIN && strstr(said, "TENSORGRAD_SOFT_FMA")) missing++;
        else if (!strstr(said, "-ffp-contract=fast")) { printf("FAIL set %d: refused without a reason: %s\n", k, said); return 1; }
        else refused++;
    }
    if (argc > 1 && strcmp(argv[1], "missing") == 0 ? missing != 1 : argc > 1 && strcmp(argv[1], "refused") == 0 ? !refused : refused || !kept) {
        printf("FAIL kept %d, refused %d, missing %d\n", kept, refused, missing);
        return 1;
    }
    printf("ok\n");
    return 0;
}
