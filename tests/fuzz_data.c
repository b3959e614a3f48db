/* Fuzzes the readers of CSV and IDX. With clang -DLIBFUZZER -fsanitize=fuzzer,address this is a libFuzzer target; otherwise main replays the files named as arguments, or
   without any runs a fixed number of mutations of a few built-in files, the same every time. The first byte chooses the reader and its options; the rest is the file.
   clang -g -O1 -DLIBFUZZER -fsanitize=fuzzer,address,undefined tests/fuzz_data.c -o fuzz && ./fuzz corpus/
   cc tests/fuzz_data.c -o fuzz && ./fuzz [file ...]                                                                                             */
#define TENSORGRAD_IMPLEMENTATION
#include "../tensorgrad.h"
#include <stdio.h>
#include <stdlib.h>

static void quiet(void *user, tg_log_level level, const char *text) { (void)user; (void)level; (void)text; }

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
static bool holds(tg_ctx *tg, int how, const uint8_t *bytes, size_t size) {
    tg_dict *classes = tg_dict_new(tg), *again = tg_dict_new(tg);
    tg_tensor *t = parse(tg, how, bytes, size, classes), *u;
    bool ok;
    if (!t) ok = tg_error(tg) == TG_ERROR_MEMORY || tg_error(tg) == TG_ERROR_FORMAT || (tg_error(tg) == TG_ERROR_VALUE && (how & 32)) || (tg_error(tg) == TG_ERROR_NULL && size == 0);
    else {
        u = parse(tg, how, bytes, size, again);
        ok = (how & 1 ? (size_t)t->numel <= size : t->ndim == 2 && (size_t)t->numel <= 3 * (size + 1)) && u && u->numel == t->numel &&
            (!t->numel || memcmp(t->data, u->data, (size_t)t->numel * tg_dtype_size(t->dtype)) == 0) && tg_dict_meta_count(classes) == tg_dict_meta_count(again);
    }
    tg_dict_free(classes); tg_dict_free(again);
    return ok;
}

#ifdef __cplusplus
extern "C"
#endif
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    tg_config config;
    tg_ctx *tg;
    bool ok;
    if (size == 0) return 0;
    memset(&config, 0, sizeof config);
    config.hooks.log = quiet;
    config.memory_limit = (size_t)16 << 20;
    config.no_cache = true;
    tg = tg_open(&config);
    if (!tg) return 0;
    ok = holds(tg, bytes[0], bytes + 1, size - 1);
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
static void replay(const char *path) {
    FILE *f = fopen(path, "rb");
    uint8_t *p = (uint8_t *)malloc((size_t)1 << 26);
    if (f && p) one(path, 0, p, fread(p, 1, (size_t)1 << 26, f));
    else { printf("FAIL %s: cannot be read\n", path); failed++; }
    if (f) fclose(f);
    free(p);
}
static uint64_t state = 88172645463325252u;
static uint32_t next(uint32_t n) { state ^= state << 13; state ^= state >> 7; state ^= state << 17; return (uint32_t)((state >> 32) % n); }
static size_t mutate(uint8_t *p, size_t n, size_t room) {
    static const char *const words[] = { "\"", "\"\"", ",", ",,", ";", "\n", "\r\n", "\r", "NA", "nan", "-inf", "1e308", "9223372036854775807", "-9223372036854775808", "1e-400", "0.1", "?", "b", "\xff", "\xEF\xBB\xBF" };
    uint32_t times = 1 + next(4);
    while (times--) {
        size_t at = n ? next((uint32_t)n) : 0, k, length;
        const char *w;
        switch (next(6)) {
            case 0: if (n) p[at] = (uint8_t)next(256); break;
            case 1: if (n) p[at] = (uint8_t)(p[at] ^ 1u << next(8)); break;
            case 2: if (next(4) == 0) n = at; break;
            case 3: if (n) { k = 1 + next(8); if (k > n - at) k = n - at; memmove(p + at, p + at + k, n - at - k); n -= k; } break;
            case 4: if (n) { k = 1 + next(16); if (k > n - at) k = n - at; if (n + k <= room) { memmove(p + at + k, p + at, n - at); n += k; } } break;
            default:
                w = words[next((uint32_t)(sizeof words / sizeof words[0]))];
                length = strlen(w);
                if (n + length <= room) { memmove(p + at + length, p + at, n - at); memcpy(p + at, w, length); n += length; }
        }
    }
    return n;
}

int main(int argc, char **argv) {
    static const char csv[] = "a,b,c\r\n1,\"2\",3.5\n-4e2,\"x\ny\",NA\n,\"q\"\"q\",7\n", flat[] = "1;2;3\n4;5;6\n";
    static const char idx[] = "\0\0\x0B\2\0\0\0\2\0\0\0\3\0\1\0\2\0\3\0\4\0\5\0\6", floats[] = "\0\0\x0D\1\0\0\0\2\x3f\xc0\0\0\0\0\0\0";
    static const struct { const char *at; size_t size; } seeds[] = { { csv, sizeof csv - 1 }, { flat, sizeof flat - 1 }, { idx, sizeof idx - 1 }, { floats, sizeof floats - 1 } };
    static uint8_t buffer[2048];
    const char *all = getenv("TG_TEST_ALL"), *seed_text = getenv("TG_TEST_SEED");
    int i;
    long round, rounds = 30000;
    for (i = 1; i < argc; i++) replay(argv[i]);
    if (all && *all) rounds *= 100;
    if (seed_text && *seed_text) { state += strtoull(seed_text, NULL, 10) * 0x9e3779b97f4a7c15u; state += state == 0; printf("seed %s, %ld rounds\n", seed_text, rounds); }
    for (round = 0; argc < 2 && round < rounds; round++) {
        const size_t which = (size_t)round % 4;
        size_t n = seeds[which].size;
        memcpy(buffer + 1, seeds[which].at, n);
        if (round >= 4) n = mutate(buffer + 1, n, sizeof buffer - 1);
        buffer[0] = (uint8_t)((next(256) & 254u) | (which > 1));
        one("round", round, buffer, n + 1);
    }
    printf("fuzz_data: %d passed, %d failed, 0 skipped\n", passed, failed);
    return failed != 0;
}
#endif
