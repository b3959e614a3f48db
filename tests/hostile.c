/* Runs the library's readers over files that were made to break them: ../shared/hostile, or the folders named as arguments. Formats without a reader
   are skipped. Closes with  hostile: N passed, N failed, N skipped  and exits with 1 if anything failed.
   cc tests/hostile.c -o hostile && ./hostile [folder ...]                                                                                    */
#define TENSORGRAD_IMPLEMENTATION
#include "../tensorgrad.h"
#include "small_json.h"
#include <stdlib.h>
#include <time.h>

#define LIMIT ((size_t)256 << 20)

static int passed, failed, skipped;

static void fail(const char *file, const char *how, const char *what) {
    printf("FAIL %s: %s: %s\n", file, how, what);
}

/* Seconds in a unit of time, as run.sh measures them: 1 on the machine that the limit was chosen on. */
static double unit(void) {
    const char *s = getenv("TG_UNIT");
    return s && atof(s) > 0 ? atof(s) / 1000 : 1;
}

/* Sums every byte, so that a sanitiser sees each of them read. */
static unsigned touch(tg_tensor *t) {
    unsigned sum = 0;
    size_t i, n = (size_t)t->numel * tg_dtype_size(t->dtype);
    for (i = 0; i < n; i++) sum += ((const unsigned char *)t->data)[i];
    return sum;
}

/* Loads and touches; true if it loaded. bytes NULL: from disk. */
static bool load(tg_ctx *tg, const char *format, const char *path, const void *bytes, size_t size, unsigned *sum) {
    if (strcmp(format, "npy") == 0) {
        tg_tensor *t = bytes ? tg_npy_parse(tg, bytes, size) : tg_npy_load(tg, path);
        if (t) *sum += touch(t);
        return t != NULL;
    } else {
        tg_dict *d = bytes ? tg_safetensors_parse(tg, bytes, size) : tg_safetensors_load(tg, path);
        int64_t i;
        bool ok = d != NULL;
        for (i = 0; i < tg_dict_count(d); i++) *sum += touch(tg_dict_at(d, i)) + (unsigned)strlen(tg_dict_name(d, i));
        tg_dict_free(d);
        return ok;
    }
}

/* Ended tensors wait in a ring of 256 before their memory goes back. With that ring full of equal ones, `now` is the same number again unless something leaked. */
static size_t settle(tg_ctx *tg) {
    tg_mark m = tg_begin(tg);
    int i;
    for (i = 0; i < 300; i++) (void)tg_zeros(tg, TG_SCALAR);
    tg_end(tg, m);
    return tg_memory(tg).now;
}

/* One context reads all files: an error must leave it usable, and after each file it must hold what it held before. */
static bool check(tg_ctx *tg, const char *file, const char *format, const char *expect, const char *how, const char *path, const void *bytes, size_t size) {
    unsigned sum = 0;
    size_t before;
    tg_mark m;
    clock_t start;
    bool loaded, ok = true;
    before = settle(tg);
    m = tg_begin(tg);
    start = clock();
    loaded = load(tg, format, path, bytes, size, &sum);
    if ((double)(clock() - start) / CLOCKS_PER_SEC > 5 * unit()) { fail(file, how, "took more than 5 units of time"); ok = false; }
    if (loaded == tg_failed(tg)) { fail(file, how, "result and error disagree"); ok = false; }
    if (loaded && strcmp(expect, "error") == 0) { fail(file, how, "loaded, error expected"); ok = false; }
    if (!loaded && strcmp(expect, "ok") == 0) { fail(file, how, tg_error_text(tg)); ok = false; }
    if (!loaded && tg_error(tg) != TG_ERROR_FORMAT) { fail(file, how, "the error is not TG_ERROR_FORMAT"); ok = false; }
    if (!loaded && !strstr(tg_error_text(tg), "at byte ")) { fail(file, how, "the message does not tell the place"); ok = false; }
    tg_clear(tg);
    tg_end(tg, m);
    m = tg_begin(tg);
    if (!tg_zeros(tg, TG_SHAPE(2, 3))) { fail(file, how, "the context is not usable afterwards"); ok = false; }
    tg_end(tg, m);
    if (settle(tg) != before) { fail(file, how, "memory leaks"); ok = false; }
    return ok;
}

static void run_folder(tg_ctx *tg, const char *folder) {
    char path[1024], file[512], format[32], expect[32];
    char *manifest, *line, *next;
    snprintf(path, sizeof path, "%s/manifest.jsonl", folder);
    manifest = read_whole(path, NULL);
    if (!manifest) { printf("SKIP %s: no manifest\n", path); skipped++; return; }
    for (line = manifest; *line; line = next) {
        char *bytes;
        size_t size;
        bool ok;
        next = line + strcspn(line, "\n");
        if (*next) *next++ = 0;
        if (!json_field(line, "file")) continue;
        json_string(json_field(line, "file"), file, sizeof file);
        json_string(json_field(line, "format"), format, sizeof format);
        json_string(json_field(line, "expect"), expect, sizeof expect);
        if (strcmp(format, "npy") != 0 && strcmp(format, "safetensors") != 0) { skipped++; continue; }
        snprintf(path, sizeof path, "%s/%s", folder, file);
        bytes = read_whole(path, &size);
        if (!bytes) { printf("FAIL %s: cannot be read\n", file); failed++; continue; }
        { char *exact = (char *)malloc(size ? size : 1); if (exact) { memcpy(exact, bytes, size); free(bytes); bytes = exact; } }   /* one byte too far is caught */
        ok = check(tg, file, format, expect, "from memory", path, bytes, size);
        ok = check(tg, file, format, expect, "from disk", path, NULL, 0) && ok;
        free(bytes);
        snprintf(path, sizeof path, "%s/%s", folder, "tensorgrad_was_here");
        { FILE *f = fopen("tensorgrad_was_here", "rb"), *g = fopen(path, "rb"); if (f || g) { printf("FAIL %s: ran code\n", file); ok = false; } if (f) fclose(f); if (g) fclose(g); }
        if (ok) passed++; else failed++;
    }
    free(manifest);
}

static void quiet(void *user, tg_log_level level, const char *text) { (void)user; (void)level; (void)text; }

int main(int argc, char **argv) {
    tg_config config;
    tg_ctx *tg;
    size_t start;
    int i;
    memset(&config, 0, sizeof config);
    config.hooks.log = quiet;
    config.memory_limit = LIMIT;
    config.no_cache = true;                                            /* so that memory.now shows a leak at once */
    tg = tg_open(&config);
    if (!tg) { printf("FAIL: tg_open\n"); return 1; }
    start = settle(tg);
    if (argc < 2) run_folder(tg, "../shared/hostile");
    for (i = 1; i < argc; i++) run_folder(tg, argv[i]);
    if (tg_memory(tg).live_tensors != 0) { printf("FAIL: tensors stay alive\n"); failed++; }
    printf("hostile: memory %lu at the start, %lu at the end, peak %lu bytes\n", (unsigned long)start, (unsigned long)tg_memory(tg).now, (unsigned long)tg_memory(tg).peak);
    tg_close(tg);
    printf("hostile: %d passed, %d failed, %d skipped\n", passed, failed, skipped);
    return failed != 0;
}
