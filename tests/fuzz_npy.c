/* Fuzzes the npy reader. With clang -DLIBFUZZER -fsanitize=fuzzer,address this is a libFuzzer target; otherwise main replays the files named as arguments, or without any
   runs a fixed number of mutations of a few built-in files, the same every time.
   clang -g -O1 -DLIBFUZZER -fsanitize=fuzzer,address,undefined tests/fuzz_npy.c -o fuzz && ./fuzz corpus/
   cc tests/fuzz_npy.c -o fuzz && ./fuzz [file ...]                                                                                              */
#define TENSORGRAD_IMPLEMENTATION
#include "../tensorgrad.h"
#include <stdio.h>
#include <stdlib.h>

static void quiet(void *user, tg_log_level level, const char *text) { (void)user; (void)level; (void)text; }

/* What must hold for any bytes: either an error that says where, or a tensor that can be written, read again and written to the same bytes. */
static bool holds(tg_ctx *tg, const uint8_t *bytes, size_t size) {
    tg_tensor *t = tg_npy_parse(tg, bytes, size), *u, *first, *second;
    if (!t) return tg_error(tg) == TG_ERROR_MEMORY || (tg_error(tg) == TG_ERROR_FORMAT && strstr(tg_error_text(tg), "at byte "));
    first = tg_npy_bytes(t);
    u = first ? tg_npy_parse(tg, first->data, (size_t)first->numel) : NULL;
    second = tg_npy_bytes(u);
    if (tg_error(tg) == TG_ERROR_MEMORY) return true;
    return u && second && u->dtype == t->dtype && u->ndim == t->ndim && u->numel == t->numel && tg_is_contiguous(t) &&
           first->numel == second->numel && memcmp(first->data, second->data, (size_t)first->numel) == 0;
}

#ifdef __cplusplus
extern "C"
#endif
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    tg_config config;
    tg_ctx *tg;
    bool ok;
    memset(&config, 0, sizeof config);
    config.hooks.log = quiet;
    config.memory_limit = (size_t)64 << 20;
    config.no_cache = true;
    tg = tg_open(&config);
    if (!tg) return 0;
    ok = holds(tg, bytes, size);
    tg_close(tg);
#ifdef LIBFUZZER
    if (!ok) abort();
#endif
    return ok ? 0 : -1;
}

#ifndef LIBFUZZER
static int passed, failed;

static void one(const char *name, long number, const uint8_t *bytes, size_t size) {
    uint8_t *exact = (uint8_t *)malloc(size ? size : 1);               /* so that a sanitiser sees one byte too far */
    if (!exact) return;
    if (size) memcpy(exact, bytes, size);
    if (LLVMFuzzerTestOneInput(exact, size) == 0) passed++;
    else { failed++; printf("FAIL %s %ld\n", name, number); }
    free(exact);
}
static int replay(const char *path) {
    FILE *f = fopen(path, "rb");
    uint8_t *p = (uint8_t *)malloc((size_t)1 << 26);
    size_t n;
    if (!f || !p) { printf("FAIL %s: cannot be read\n", path); failed++; if (f) fclose(f); free(p); return 1; }
    n = fread(p, 1, (size_t)1 << 26, f);
    fclose(f);
    one(path, 0, p, n);
    free(p);
    return 0;
}

/* Changes bytes, cuts, repeats, inserts pieces that mean something to the parser. */
static uint64_t state = 88172645463325252u;
static uint32_t next(uint32_t n) { state ^= state << 13; state ^= state >> 7; state ^= state << 17; return (uint32_t)((state >> 32) % n); }
static size_t mutate(uint8_t *p, size_t n, size_t room) {
    static const char *const words[] = { "'descr'", "'fortran_order'", "'shape'", "True", "False", "'>u8'", "'<c16'", "'=f4'", "'|b1'", "(0,)", "(2, 3)", "(1, 1, 1, 1, 1, 1, 1, 1)", "()", "L",
                                         "18446744073709551615", "9223372036854775807", "__import__('os')", "lambda:", "\xff", "1_000", "0x10", ", }"  };
    uint32_t times = 1 + next(4);
    while (times--) {
        size_t at = n ? next((uint32_t)n) : 0, k, length;
        const char *w;
        switch (next(7)) {
            case 0: if (n) p[at] = (uint8_t)next(256); break;
            case 1: if (n) p[at] = (uint8_t)(p[at] ^ 1u << next(8)); break;
            case 2: if (next(4) == 0) n = at; break;
            case 3: if (n) { k = 1 + next(8); if (k > n - at) k = n - at; memmove(p + at, p + at + k, n - at - k); n -= k; } break;
            case 4: if (n) { k = 1 + next(16); if (k > n - at) k = n - at; if (n + k <= room) { memmove(p + at + k, p + at, n - at); n += k; } } break;
            case 5: if (n) p[at] = (uint8_t)"0123456789\"{}[](),:\\'"[next(21)]; break;
            default:
                w = words[next((uint32_t)(sizeof words / sizeof words[0]))];
                length = strlen(w);
                if (next(2) && at + length <= n) memcpy(p + at, w, length);
                else if (n + length <= room) { memmove(p + at + length, p + at, n - at); memcpy(p + at, w, length); n += length; }
        }
    }
    return n;
}
/* The header's length follows its text, so that mutations get past the first check. */
static void repair(uint8_t *p, size_t n) {
    size_t end = n;
    if (n < 12) return;
    memcpy(p, "\x93NUMPY\1\0", 8);
    while (end > 10 && p[end - 1] != '}') end--;
    p[8] = (uint8_t)((end - 10) & 255); p[9] = (uint8_t)((end - 10) >> 8);
}

int main(int argc, char **argv) {
    static const char *const seeds[] = {
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }",
        "{'descr': '>u8', 'fortran_order': True, 'shape': (2, 3), }",
        "{\"shape\":(1,2,1,3),\"fortran_order\":True,\"descr\":\"<c8\"}",
        "{'descr': '|b1', 'fortran_order': False, 'shape': (), }",
        "{'descr': '>i2', 'fortran_order': True, 'shape': (4, 3, 2), }",
    };
    static uint8_t buffer[4096];
    const char *all = getenv("TG_TEST_ALL"), *seed_text = getenv("TG_TEST_SEED");
    int i;
    long round, rounds = 30000;
    for (i = 1; i < argc; i++) (void)replay(argv[i]);
    if (all && *all) rounds *= 100;
    if (seed_text && *seed_text) { state += strtoull(seed_text, NULL, 10) * 0x9e3779b97f4a7c15u; state += state == 0; printf("seed %s, %ld rounds\n", seed_text, rounds); }
    for (round = 0; argc < 2 && round < rounds; round++) {
        const char *seed = seeds[round % (long)(sizeof seeds / sizeof seeds[0])];
        size_t head = strlen(seed), n;
        n = 10 + head + (round % 7 ? 48 : 7);
        memset(buffer, 0, sizeof buffer);
        memcpy(buffer + 10, seed, head);
        repair(buffer, 10 + head);
        if (round >= (long)(sizeof seeds / sizeof seeds[0])) { n = mutate(buffer, n, sizeof buffer); if (next(2)) repair(buffer, n); }
        one("round", round, buffer, n);
    }
    printf("fuzz_npy: %d passed, %d failed, 0 skipped\n", passed, failed);
    return failed != 0;
}
#endif
