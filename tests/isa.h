/* TG_TEST_ISA=avx2 or TG_TEST_ISA=plain in the environment: a test runs as on a machine that has no more than that. run.sh puts this file in front of every test
   (-include), so a test opens contexts and asks for instruction sets as any program does and needs not know. Only what the library says of the machine is
   limited: the programs are the same. A build with an implementation of its own gives -DTENSORGRAD_IMPLEMENTATION= beside it, for the macros below must come after. */
#ifndef TEST_ISA_H
#define TEST_ISA_H

#include "../tensorgrad.h"
#include <stdlib.h>
#include <string.h>

#if defined(__GNUC__)
#define TEST_ISA_MAYBE static __attribute__((unused))
#else
#define TEST_ISA_MAYBE static
#endif

/* Whether the machine may have it. An unknown name allows nothing but plain C; what is no instruction set is the library's to refuse. */
TEST_ISA_MAYBE bool test_isa_allowed(tg_isa isa) {
    const char *limit = getenv("TG_TEST_ISA");
    if (!limit || !*limit || (isa != TG_ISA_AVX2 && isa != TG_ISA_AVX512 && isa != TG_ISA_NEON && isa != TG_ISA_SIMD128)) return true;
    return isa == TG_ISA_AVX2 && strcmp(limit, "avx2") == 0;
}
TEST_ISA_MAYBE bool test_isa_supported(tg_isa isa) { return test_isa_allowed(isa) && tg_isa_supported(isa); }

/* One that is not allowed is asked for as one that no machine of this kind has. */
TEST_ISA_MAYBE tg_isa test_isa_asked(tg_isa isa) { return test_isa_allowed(isa) ? isa : tg_isa_supported(TG_ISA_NEON) ? TG_ISA_AVX512 : TG_ISA_NEON; }

/* The best set that is allowed. */
TEST_ISA_MAYBE tg_ctx *test_isa_open(const tg_config *config, uint32_t abi) {
    const char *limit = getenv("TG_TEST_ISA");
    tg_config c;
    if (!limit || !*limit || abi != TG_ABI) return tg_open_abi(config, abi);
    memset(&c, 0, sizeof c);
    if (config) c = *config;
    c.isa = test_isa_asked(c.isa);
    if (c.isa == TG_ISA_BEST) c.isa = test_isa_supported(TG_ISA_AVX2) ? TG_ISA_AVX2 : tg_isa_supported(TG_ISA_PLAIN) ? TG_ISA_PLAIN : TG_ISA_BEST;
    return tg_open_abi(&c, abi);
}
#undef tg_open
#define tg_open(...) test_isa_open((__VA_ARGS__), TG_ABI)
#define tg_isa_supported(isa) test_isa_supported(isa)

#endif
