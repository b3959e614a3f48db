/* Fuzzes the npy reader. With clang -DLIBFUZZER -fsanitize=fuzzer,address this is a libFuzzer target; otherwise main replays the files named as arguments, or without any
   runs a fixed number of mutations of a few built-in files, the same every time.
   clang -g -O1 -DLIBFUZZER -fsanitize=fuzzer,address,undefined tests/fuzz_npy.c -o fuzz && ./fuzz corpus/
   cc tests/fuzz_npy.c -o fuzz && ./fuzz [file ...]                                                                                              */
#define TENSORGRAD_IMPLEMENTATION
#include "../tensorgrad.h"
#include <stdio.h>
#include <stdlib.h>

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

#define FUZZ_MEMORY ((size_t)64 << 20)
#include "fuzz.h"

#ifndef LIBFUZZER
static const char marks[] = "0123456789\"{}[](),:\\'";
static const char *const words[] = { "'descr'", "'fortran_order'", "'shape'", "True", "False", "'>u8'", "'<c16'", "'=f4'", "'|b1'", "(0,)", "(2, 3)", "(1, 1, 1, 1, 1, 1, 1, 1)", "()", "L",
                                     "18446744073709551615", "9223372036854775807", "__import__('os')", "lambda:", "\xff", "1_000", "0x10", ", }"  };
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
    int i;
    long round, rounds = rounds_of(30000);
    for (i = 1; i < argc; i++) replay(argv[i]);
    for (round = 0; argc < 2 && round < rounds; round++) {
        const char *seed = seeds[round % (long)(sizeof seeds / sizeof seeds[0])];
        size_t head = strlen(seed), n;
        n = 10 + head + (round % 7 ? 48 : 7);
        memset(buffer, 0, sizeof buffer);
        memcpy(buffer + 10, seed, head);
        repair(buffer, 10 + head);
        if (round >= (long)(sizeof seeds / sizeof seeds[0])) { n = mutate(buffer, n, sizeof buffer, words, sizeof words / sizeof words[0], marks); if (next(2)) repair(buffer, n); }
        one("round", round, buffer, n);
    }
    printf("fuzz_npy: %d passed, %d failed, 0 skipped\n", passed, failed);
    return failed != 0;
}
#endif
