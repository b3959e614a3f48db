/* Fuzzes the safetensors reader. With clang -DLIBFUZZER -fsanitize=fuzzer,address this is a libFuzzer target; otherwise main replays the files named as arguments, or without any
   runs a fixed number of mutations of a few built-in files, the same every time.
   clang -g -O1 -DLIBFUZZER -fsanitize=fuzzer,address,undefined tests/fuzz_safetensors.c -o fuzz && ./fuzz corpus/
   cc tests/fuzz_safetensors.c -o fuzz && ./fuzz [file ...]                                                                                              */
#define TENSORGRAD_IMPLEMENTATION
#include "../tensorgrad.h"
#include <stdio.h>
#include <stdlib.h>

/* What must hold for any bytes: either an error that says where, or a dict that can be written, read again and written to the same bytes. */
static bool holds(tg_ctx *tg, const uint8_t *bytes, size_t size) {
    tg_dict *d = tg_safetensors_parse(tg, bytes, size), *e;
    tg_tensor *first, *second;
    bool ok;
    int64_t i;
    if (!d) return tg_error(tg) == TG_ERROR_MEMORY || (tg_error(tg) == TG_ERROR_FORMAT && strstr(tg_error_text(tg), "at byte "));
    for (i = 0; i < tg_dict_count(d); i++) {
        if (tg_dict_get(d, tg_dict_name(d, i)) != tg_dict_at(d, i)) { tg_dict_free(d); return false; }
    }
    first = tg_safetensors_bytes(d);
    e = first ? tg_safetensors_parse(tg, first->data, (size_t)first->numel) : NULL;
    second = tg_safetensors_bytes(e);
    ok = first && second && first->numel == second->numel && memcmp(first->data, second->data, (size_t)first->numel) == 0;
    ok = (ok && tg_dict_count(d) == tg_dict_count(e) && tg_dict_meta_count(d) == tg_dict_meta_count(e)) || tg_error(tg) == TG_ERROR_MEMORY;
    tg_dict_free(d);
    tg_dict_free(e);
    return ok;
}

#define FUZZ_MEMORY ((size_t)64 << 20)
#include "fuzz.h"

#ifndef LIBFUZZER
static const char marks[] = "0123456789\"{}[](),:\\'";
static const char *const words[] = { "\"dtype\"", "\"shape\"", "\"data_offsets\"", "\"__metadata__\":{", "\"F8_E4M3\"", "\"U64\"", "\"C64\"", "\"F4\"", "\\u0041", "\\ud83d\\ude00", "\\u0000",
                                     "18446744073709551615", "9223372036854775807", "null", "[0,0]", "[0,4]", "\xc3\xa9", "\xed\xa0\x80", "},\"w\":{", "[[[["  };
/* The header's length follows its text, so that mutations get past the first check. */
static void repair(uint8_t *p, size_t n) {
    size_t i, end = n;
    if (n < 10) return;
    while (end > 8 && p[end - 1] != '}') end--;                        /* data hold no braces in the seeds */
    for (i = 0; i < 8; i++) p[i] = (uint8_t)((uint64_t)(end - 8) >> (8 * i));
}

int main(int argc, char **argv) {
    static const char *const seeds[] = {
        "{}",
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}}",
        "{\"__metadata__\":{\"format\":\"pt\",\"\\u00e9\":\"\"},\"a\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[16,17]},\"b\":{\"dtype\":\"U64\",\"shape\":[2],\"data_offsets\":[0,16]},\"c\\n\":{\"dtype\":\"F8_E5M2\",\"shape\":[7],\"data_offsets\":[17,24]}}",
        "{ \"x\" : { \"shape\" : [ 0 , 5 ] , \"data_offsets\" : [ 0 , 0 ] , \"dtype\" : \"BF16\" } , \"y\":{\"dtype\":\"C64\",\"shape\":[3],\"data_offsets\":[0,24]}}",
        "{\"f\":{\"dtype\":\"F4\",\"shape\":[48],\"data_offsets\":[0,24]}}",
    };
    static uint8_t buffer[4096];
    int i;
    long round, rounds = rounds_of(30000);
    for (i = 1; i < argc; i++) replay(argv[i]);
    for (round = 0; argc < 2 && round < rounds; round++) {
        const char *seed = seeds[round % (long)(sizeof seeds / sizeof seeds[0])];
        size_t head = strlen(seed), n;
        n = 8 + head + (round % 5 ? 24 : 0);
        memset(buffer, 0, sizeof buffer);
        memcpy(buffer + 8, seed, head);
        repair(buffer, 8 + head);
        if (round >= (long)(sizeof seeds / sizeof seeds[0])) { n = mutate(buffer, n, sizeof buffer, words, sizeof words / sizeof words[0], marks); if (next(2)) repair(buffer, n); }
        one("round", round, buffer, n);
    }
    printf("fuzz_safetensors: %d passed, %d failed, 0 skipped\n", passed, failed);
    return failed != 0;
}
#endif
