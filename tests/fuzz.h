/* What the fuzzers share. Each includes it behind its own part,

       #define FUZZ_MEMORY ((size_t)64 << 20)                                the most that a context may take
       static bool holds(tg_ctx *tg, const uint8_t *bytes, size_t size);     what must hold for any bytes

   and has, where it is no libFuzzer target, a main that calls replay for the files named as arguments, or `one` for what mutate makes of a few seeds. */
static void quiet(void *user, tg_log_level level, const char *text) { (void)user; (void)level; (void)text; }

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
    config.memory_limit = FUZZ_MEMORY;
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
/* How many rounds: more in `all`, other ones where TG_TEST_SEED says so. */
static long rounds_of(long rounds) {
    const char *all = getenv("TG_TEST_ALL"), *seed_text = getenv("TG_TEST_SEED");
    if (all && *all) rounds *= 100;
    if (seed_text && *seed_text) { state += strtoull(seed_text, NULL, 10) * 0x9e3779b97f4a7c15u; state += state == 0; printf("seed %s, %ld rounds\n", seed_text, rounds); }
    return rounds;
}
/* Changes bytes, cuts, repeats, inserts pieces and characters that mean something to the parser. */
static size_t mutate(uint8_t *p, size_t n, size_t room, const char *const *words, size_t n_words, const char *marks) {
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
            case 5: if (n) p[at] = (uint8_t)marks[next((uint32_t)strlen(marks))]; break;
            default:
                w = words[next((uint32_t)n_words)];
                length = strlen(w);
                if (next(2) && at + length <= n) memcpy(p + at, w, length);
                else if (n + length <= room) { memmove(p + at + length, p + at, n - at); memcpy(p + at, w, length); n += length; }
        }
    }
    return n;
}
#endif
