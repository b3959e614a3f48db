/* Fuzzes the readers of CSV and IDX. With clang -DLIBFUZZER -fsanitize=fuzzer,address this is a libFuzzer target; otherwise main replays the files named as arguments, or
   without any runs a fixed number of mutations of a few built-in files, the same every time. The first byte chooses the reader and its options; the rest is the file.
   clang -g -O1 -DLIBFUZZER -fsanitize=fuzzer,address,undefined tests/fuzz_data.c -o fuzz && ./fuzz corpus/
   cc tests/fuzz_data.c -o fuzz && ./fuzz [file ...]                                                                                             */
#define TENSORGRAD_IMPLEMENTATION
#include "../tensorgrad.h"
#include <stdio.h>
#include <stdlib.h>

/* An error that says where, or a tensor of no more numbers than the file can have; the same file gives it again. */
static tg_tensor *parse(tg_ctx *tg, int how, const uint8_t *bytes, size_t size, tg_dict *classes) {
    static const char *const columns[] = { "b", "0", "2" };
    static const tg_dtype dtypes[] = { TG_F32, TG_F64, TG_I32, TG_I64 };
    tg_csv_args a;
    if (how & 1) return tg_idx_parse(tg, bytes, size);
    memset(&a, 0, sizeof a);
    a.tg = tg; a.bytes = bytes; a.size = size; a.dtype = dtypes[how >> 1 & 3]; a.no_header = (how & 8) != 0;
    if (how & 16) a.classes = classes;
    if (how & 32) { a.columns = columns; a.n_columns = 3; }
    if (how & 64) { a.missing.is = true; a.missing.value = -1; }
    if (how & 128) a.separator = ';';
    return tg_csv_from(&a);
}
static bool holds(tg_ctx *tg, const uint8_t *file, size_t length) {
    const uint8_t *bytes = file + 1;
    const size_t size = length - 1;
    const int how = length ? file[0] : 0;
    tg_dict *classes, *again;
    tg_tensor *t, *u;
    bool ok;
    if (!length) return true;
    classes = tg_dict_new(tg); again = tg_dict_new(tg);
    t = parse(tg, how, bytes, size, classes);
    if (!t) ok = tg_error(tg) == TG_ERROR_MEMORY || tg_error(tg) == TG_ERROR_FORMAT || (tg_error(tg) == TG_ERROR_VALUE && (how & 32)) || (tg_error(tg) == TG_ERROR_NULL && size == 0);
    else {
        u = parse(tg, how, bytes, size, again);
        ok = (how & 1 ? (size_t)t->numel <= size : t->ndim == 2 && (size_t)t->numel <= 3 * (size + 1)) && u && u->numel == t->numel &&
            (!t->numel || memcmp(t->data, u->data, (size_t)t->numel * tg_dtype_size(t->dtype)) == 0) && tg_dict_meta_count(classes) == tg_dict_meta_count(again);
    }
    tg_dict_free(classes); tg_dict_free(again);
    return ok;
}

#define FUZZ_MEMORY ((size_t)16 << 20)
#include "fuzz.h"

#ifndef LIBFUZZER
static const char marks[] = "0123456789,;.-+e\"\n";
static const char *const words[] = { "\"", "\"\"", ",", ",,", ";", "\n", "\r\n", "\r", "NA", "nan", "-inf", "1e308", "9223372036854775807", "-9223372036854775808", "1e-400", "0.1", "?", "b", "\xff", "\xEF\xBB\xBF" };

int main(int argc, char **argv) {
    static const char csv[] = "a,b,c\r\n1,\"2\",3.5\n-4e2,\"x\ny\",NA\n,\"q\"\"q\",7\n", flat[] = "1;2;3\n4;5;6\n";
    static const char idx[] = "\0\0\x0B\2\0\0\0\2\0\0\0\3\0\1\0\2\0\3\0\4\0\5\0\6", floats[] = "\0\0\x0D\1\0\0\0\2\x3f\xc0\0\0\0\0\0\0";
    static const struct { const char *at; size_t size; } seeds[] = { { csv, sizeof csv - 1 }, { flat, sizeof flat - 1 }, { idx, sizeof idx - 1 }, { floats, sizeof floats - 1 } };
    static uint8_t buffer[2048];
    int i;
    long round, rounds = rounds_of(30000);
    for (i = 1; i < argc; i++) replay(argv[i]);
    for (round = 0; argc < 2 && round < rounds; round++) {
        const size_t which = (size_t)round % 4;
        size_t n = seeds[which].size;
        memcpy(buffer + 1, seeds[which].at, n);
        if (round >= 4) n = mutate(buffer + 1, n, sizeof buffer - 1, words, sizeof words / sizeof words[0], marks);
        buffer[0] = (uint8_t)((next(256) & 254u) | (which > 1));
        one("round", round, buffer, n + 1);
    }
    printf("fuzz_data: %d passed, %d failed, 0 skipped\n", passed, failed);
    return failed != 0;
}
#endif
