/* Dicts, safetensors and npy: round trips, refusals, every truncation, every changed header byte, every failing allocation, failing saves.
   cc tests/test_io.c -o test_io && ./test_io */
#include "test.h"
#include <time.h>
#if defined(__unix__) || defined(__APPLE__)
#include <signal.h>
#include <sys/resource.h>
#endif

/* An allocator that fails at call number `fail_at` (0: never) and counts what is out. The library asks a second time after giving back its cache, so two calls fail, or
   with `for_good` all from there on. */
typedef struct heap { long calls, fail_at, blocks; bool for_good; } heap;
static void *heap_get(void *user, size_t size, size_t align) {
    heap *h = (heap *)user;
    char *p, *q;
    h->calls++;
    if (h->fail_at && h->calls >= h->fail_at && (h->for_good || h->calls < h->fail_at + 2)) return NULL;
    p = (char *)malloc(size + align + sizeof p);
    if (!p) return NULL;
    q = p + sizeof p;
    q += align - (size_t)(uintptr_t)q % align;
    memcpy(q - sizeof p, &p, sizeof p);
    h->blocks++;
    return q;
}
static void heap_put(void *user, void *p, size_t size, size_t align) {
    char *q;
    (void)size; (void)align;
    memcpy(&q, (char *)p - sizeof q, sizeof q);
    free(q);
    ((heap *)user)->blocks--;
}
static tg_ctx *open_with(heap *h, size_t limit) {
    tg_config c;
    memset(&c, 0, sizeof c);
    c.hooks.log = test_quiet;
    if (h) { c.hooks.alloc = heap_get; c.hooks.release = heap_put; c.hooks.alloc_user = h; }
    c.no_cache = true;
    c.memory_limit = limit;
    return tg_open(&c);
}

/* Fills the ring in which ended tensors wait, so that `now` is comparable. */
static size_t settle(tg_ctx *tg) {
    tg_mark m = tg_begin(tg);
    int i;
    for (i = 0; i < 300; i++) (void)tg_zeros(tg, TG_SCALAR);
    tg_end(tg, m);
    return tg_memory(tg).now;
}

static tg_tensor *some(tg_ctx *tg, int ndim, const int64_t *shape, tg_dtype dtype) {       /* bytes that differ; 0 and 1 for bool */
    tg_tensor *t = tg_empty(tg, ndim, shape, dtype);
    size_t i, n = t ? (size_t)t->numel * tg_dtype_size(dtype) : 0;
    for (i = 0; i < n; i++) ((uint8_t *)t->data)[i] = (uint8_t)(dtype == TG_BOOL ? i % 3 == 0 : (i * 37 + 11) & 255);
    return t;
}
static bool same_tensor(tg_tensor *a, tg_tensor *b) {                  /* dtype, shape, bits; any strides */
    size_t n;
    void *p, *q;
    bool ok;
    int i;
    if (!a || !b || a->dtype != b->dtype || a->ndim != b->ndim) return false;
    for (i = 0; i < a->ndim; i++) if (a->shape[i] != b->shape[i]) return false;
    n = (size_t)a->numel * tg_dtype_size(a->dtype);
    if (n == 0) return true;
    p = malloc(n); q = malloc(n);
    ok = p && q && tg_read(a, p, n) && tg_read(b, q, n) && memcmp(p, q, n) == 0;
    free(p); free(q);
    return ok;
}
static bool has_text(tg_ctx *tg, const char *what) { return strstr(tg_error_text(tg), what) != NULL; }

/* A safetensors file from its header's text and a number of zero bytes behind it. */
static tg_dict *parse_text(tg_ctx *tg, const char *header, size_t data) {
    size_t n = strlen(header), i;
    unsigned char *p = (unsigned char *)calloc(8 + n + data, 1);
    tg_dict *d;
    for (i = 0; i < 8; i++) p[i] = (unsigned char)((uint64_t)n >> (8 * i));
    memcpy(p + 8, header, n);
    d = tg_safetensors_parse(tg, p, 8 + n + data);
    free(p);
    return d;
}
static bool refused(tg_ctx *tg, const char *header, size_t data, const char *why) {
    tg_dict *d = parse_text(tg, header, data);
    bool ok = !d && tg_error(tg) == TG_ERROR_FORMAT && has_text(tg, why);
    if (!ok) printf("  %s -> %s\n", header, d ? "loaded" : tg_error_text(tg));
    tg_dict_free(d);
    tg_clear(tg);
    return ok;
}

static void test_dict(tg_ctx *tg) {
    tg_dict *d = tg_dict_new(tg);
    tg_mark m = tg_begin(tg);
    tg_tensor *a = some(tg, TG_SHAPE(2, 3), TG_F32), *b = some(tg, TG_SHAPE(4), TG_I64);
    char name[64];
    int i;
    CHECK(tg_dict_count(d) == 0 && !tg_dict_get(d, "a") && !tg_dict_at(d, 0) && !tg_dict_name(d, 0) && !tg_dict_meta(d, "k"));
    CHECK(tg_dict_set(d, "b", b) && tg_dict_set(d, "a", a) && tg_dict_count(d) == 2);
    CHECK(tg_dict_get(d, "a") == a && tg_dict_at(d, 0) == b && strcmp(tg_dict_name(d, 1), "a") == 0);
    CHECK(tg_dict_set(d, "b", a) && tg_dict_count(d) == 2 && tg_dict_at(d, 0) == a);                     /* replaced, at its place */
    CHECK(tg_dict_set(d, "a", a) && tg_dict_get(d, "a") == a);
    tg_end(tg, m);
    CHECK(a->alive && same_tensor(tg_dict_get(d, "a"), tg_dict_get(d, "b")));
    CHECK(!tg_dict_get(d, "") && !tg_dict_get(d, "ab") && !tg_dict_get(d, NULL) && !tg_dict_at(d, -1) && !tg_dict_at(d, 2) && !tg_failed(tg));
    CHECK(tg_dict_set_meta(d, "k", "v") && tg_dict_set_meta(d, "l", "") && tg_dict_set_meta(d, "k", "a longer value"));
    CHECK(tg_dict_meta_count(d) == 2 && strcmp(tg_dict_meta(d, "k"), "a longer value") == 0 && strcmp(tg_dict_meta(d, "l"), "") == 0);
    CHECK(strcmp(tg_dict_meta_key(d, 0), "k") == 0 && !tg_dict_meta_key(d, 2));
    CHECK(tg_dict_set_meta(d, "k", tg_dict_meta(d, "k")) && strcmp(tg_dict_meta(d, "k"), "a longer value") == 0);
    m = tg_begin(tg);
    a = some(tg, TG_SHAPE(1), TG_F32);
    CHECK(!tg_dict_set(d, "x", NULL) && tg_error(tg) == TG_ERROR_NULL); tg_clear(tg);
    CHECK(!tg_dict_set(d, NULL, a) && tg_error(tg) == TG_ERROR_NULL); tg_clear(tg);
    CHECK(!tg_dict_set(d, "\xff", a) && tg_error(tg) == TG_ERROR_VALUE); tg_clear(tg);
    CHECK(!tg_dict_set(d, "\xed\xa0\x80", a) && tg_error(tg) == TG_ERROR_VALUE); tg_clear(tg);
    CHECK(!tg_dict_set(d, "__metadata__", a) && tg_error(tg) == TG_ERROR_VALUE); tg_clear(tg);
    CHECK(!tg_dict_set_meta(d, "k", "\x80") && tg_error(tg) == TG_ERROR_VALUE);
    /* the gate: nothing is done while an error is pending */
    CHECK(!tg_dict_set(d, "x", a) && !tg_dict_set_meta(d, "k", "w") && !tg_dict_new(tg) && !tg_safetensors_bytes(d) && !tg_npy_bytes(a));
    CHECK(!tg_safetensors_parse(tg, "", 0) && !tg_npy_parse(tg, "", 0) && !tg_safetensors_load(tg, "x") && !tg_npy_load(tg, "x") && !tg_dict_f32(d, 0));
    CHECK(!tg_safetensors_save(d, "gate.tmp") && !tg_npy_save(a, "gate.tmp") && tg_error(tg) == TG_ERROR_VALUE);
    CHECK(tg_dict_count(d) == 2 && tg_dict_get(d, "a"));               /* looking is always possible */
    tg_clear(tg);
    tg_end(tg, m);
    CHECK(!tg_dict_set(d, "x", a) && tg_error(tg) == TG_ERROR_DEAD); tg_clear(tg);
    CHECK(!tg_safetensors_load(tg, NULL) && tg_error(tg) == TG_ERROR_NULL); tg_clear(tg);
    CHECK(!tg_npy_load(tg, "no/such/file.npy") && tg_error(tg) == TG_ERROR_FILE); tg_clear(tg);
    CHECK(!tg_npy_parse(tg, NULL, 3) && tg_error(tg) == TG_ERROR_NULL); tg_clear(tg);
    CHECK(!tg_dict_count(NULL) && !tg_dict_get(NULL, "a") && !tg_dict_set(NULL, "a", NULL) && !tg_safetensors_bytes(NULL) && !tg_npy_bytes(NULL));
    tg_dict_free(d);
    tg_dict_free(NULL);

    /* many names, with shared beginnings; then all found again, and none that was not set */
    d = tg_dict_new(tg);
    m = tg_begin(tg);
    a = some(tg, TG_SHAPE(1), TG_U8);
    for (i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, i % 3 ? "layer.%d.w" : "%d", (i * 7919) % 5000);
        if (!tg_dict_set(d, name, a)) break;
    }
    CHECK(i == 5000);
    tg_end(tg, m);
    for (i = 0; i < (int)tg_dict_count(d); i++) if (tg__names_find(&d->names, tg_dict_name(d, i)) != i) break;
    CHECK(i == (int)tg_dict_count(d) && i == 5000);
    CHECK(!tg_dict_get(d, "layer.") && !tg_dict_get(d, "layer.5000.w") && !tg_dict_get(d, "5000") && !tg_dict_get(d, ""));
    tg_dict_free(d);
    d = tg_dict_new(tg);                                               /* each name the beginning of the next */
    m = tg_begin(tg);
    a = some(tg, TG_SHAPE(1), TG_U8);
    for (i = 0; i < 60; i++) { memset(name, 'a', sizeof name); name[i] = 0; CHECK(tg_dict_set(d, name, a)); }
    for (i = 0; i < 60; i++) { memset(name, 'a', sizeof name); name[i] = 0; CHECK(tg__names_find(&d->names, name) == i); }
    for (i = 0; i < 1000; i++) { snprintf(name, sizeof name, "step %d", i); if (!tg_dict_set_meta(d, "counter", name)) break; }
    CHECK(i == 1000 && strcmp(tg_dict_meta(d, "counter"), "step 999") == 0);
    tg_end(tg, m);
    tg_dict_free(d);
}

/* A dict with every dtype, in many strides, and awkward names. */
static tg_dict *big_dict(tg_ctx *tg) {
    static const char *const names[] = { "", "a b", "quote\"", "back\\slash", "tab\tnew\nline\1", "\xd0\xba\xd0\xbb\xd1\x8e\xd1\x87", "\xe6\xbc\xa2", "emoji\xf0\x9f\x98\x80", "del\x7f", "z" };
    tg_dict *d = tg_dict_new(tg);
    tg_mark m = tg_begin(tg);
    tg_tensor *x;
    int64_t shape[3] = { 3, 4, 5 }, view[3];
    char name[64];
    int i;
    for (i = 0; i < TG_DTYPES; i++) {
        (void)tg_dict_set(d, names[i], x = some(tg, 3, shape, (tg_dtype)i));
        snprintf(name, sizeof name, "turned %d", i);
        (void)tg_dict_set(d, name, x ? tg_transpose(x, 0, 2) : NULL);
        snprintf(name, sizeof name, "slice %d", i);
        (void)tg_dict_set(d, name, x ? tg_slice(x, "1:, ::-2, 1:4") : NULL);
        snprintf(name, sizeof name, "scalar %d", i);
        (void)tg_dict_set(d, name, x = some(tg, TG_SCALAR, (tg_dtype)i));
        view[0] = 2; view[1] = 3;
        snprintf(name, sizeof name, "expanded %d", i);
        (void)tg_dict_set(d, name, x ? tg_expand(x, 2, view) : NULL);
        view[0] = 2; view[1] = 0; view[2] = 3;
        snprintf(name, sizeof name, "empty %d", i);
        (void)tg_dict_set(d, name, some(tg, 3, view, (tg_dtype)i));
    }
    (void)tg_dict_set_meta(d, "format", "pt");
    (void)tg_dict_set_meta(d, "\xd0\xba\"\\", "line\nline\r\b\f\t\x1f \xf0\x9f\x98\x80");
    (void)tg_dict_set_meta(d, "", "");
    tg_end(tg, m);
    if (tg_failed(tg)) { tg_dict_free(d); return NULL; }
    return d;
}
static bool same_dict(const tg_dict *a, const tg_dict *b) {
    int64_t i;
    if (!a || !b || tg_dict_count(a) != tg_dict_count(b) || tg_dict_meta_count(a) != tg_dict_meta_count(b)) return false;
    for (i = 0; i < tg_dict_count(a); i++) {
        if (strcmp(tg_dict_name(a, i), tg_dict_name(b, i)) != 0 || !same_tensor(tg_dict_at(a, i), tg_dict_at(b, i))) { printf("  differs: %s\n", tg_dict_name(a, i)); return false; }
    }
    for (i = 0; i < tg_dict_meta_count(a); i++) if (!tg_dict_meta(b, tg_dict_meta_key(a, i)) || strcmp(tg_dict_meta(a, tg_dict_meta_key(a, i)), tg_dict_meta(b, tg_dict_meta_key(a, i)))) return false;
    return true;
}

static void test_safetensors(tg_ctx *tg) {
    tg_mark m = tg_begin(tg);
    tg_dict *d = big_dict(tg), *e, *f;
    tg_tensor *bytes, *again;
    tg_memory_info before;
    void *data;
    size_t size;
    char far_off[64];
    CHECK(d != NULL);
    bytes = tg_safetensors_bytes(d);
    CHECK(bytes && bytes->dtype == TG_U8 && bytes->ndim == 1);
    if (!bytes) { printf("  %s\n", tg_error_text(tg)); return; }
    e = tg_safetensors_parse(tg, bytes->data, (size_t)bytes->numel);
    CHECK(same_dict(d, e));
    CHECK(same_tensor(bytes, again = tg_safetensors_bytes(e)));
    CHECK(tg_safetensors_save(d, "test_io.tmp"));
    f = tg_safetensors_load(tg, "test_io.tmp");
    CHECK(same_dict(d, f));
    CHECK(tg__load_file(tg, "test_io.tmp", &data, &size) && size == (size_t)bytes->numel && memcmp(data, bytes->data, size) == 0);
    tg__mem_put(tg, data, size);
    CHECK((8 + tg__get_word((unsigned char *)bytes->data, 8, false)) % 8 == 0);                          /* data begins aligned */
    (void)again;
    tg_dict_free(d); tg_dict_free(e); tg_dict_free(f);

    /* saving a tensor of the graph neither fails nor grows the graph */
    d = tg_dict_new(tg);
    {
        tg_tensor *w = tg_require_grad(tg_ones(tg, TG_SHAPE(3, 4)), true), *y = tg_transpose(tg_mul(w, w), 0, 1);
        CHECK(tg_dict_set(d, "y", y));
        before = tg_memory(tg);
        CHECK(tg_safetensors_save(d, "test_io.tmp") && tg_npy_save(y, "test_io.tmp"));
        CHECK(tg_memory(tg).live_nodes == before.live_nodes);
    }
    tg_dict_free(d);

    /* no tensors, no metadata, both */
    d = tg_dict_new(tg);
    bytes = tg_safetensors_bytes(d);
    CHECK(bytes && bytes->numel == 16 && memcmp((char *)bytes->data + 8, "{}      ", 8) == 0);
    CHECK((e = parse_text(tg, "{}", 0)) != NULL && tg_dict_count(e) == 0); tg_dict_free(e);
    CHECK(tg_dict_set_meta(d, "a", "b") && (bytes = tg_safetensors_bytes(d)) != NULL && (e = tg_safetensors_parse(tg, bytes->data, (size_t)bytes->numel)) != NULL);
    CHECK(e && strcmp(tg_dict_meta(e, "a"), "b") == 0);
    tg_dict_free(d); tg_dict_free(e);

    /* what is let in */
    CHECK((d = parse_text(tg, "{\"__metadata__\":null,\"\\u0041\\uD83D\\uDE00\":{\"shape\":[2],\"data_offsets\":[0,2],\"dtype\":\"U8\"}} \n", 2)) != NULL);
    CHECK(d && tg_dict_get(d, "A\xf0\x9f\x98\x80")); tg_dict_free(d);
    CHECK((d = parse_text(tg, "{\"\\u005f_metadata__\":{\"\\/\":\"\\b\"}}", 0)) != NULL && strcmp(tg_dict_meta(d, "/"), "\b") == 0); tg_dict_free(d);
    CHECK((d = parse_text(tg, "{\"w\":{\"dtype\":\"BOOL\",\"shape\":[1,1,1,1,1,1,1,3],\"data_offsets\":[0,3]}}", 3)) != NULL); tg_dict_free(d);
    CHECK((d = parse_text(tg, "{\"w\":{\"dtype\":\"F4\",\"shape\":[3,2],\"data_offsets\":[0,3]},\"v\":{\"dtype\":\"F6_E2M3\",\"shape\":[4],\"data_offsets\":[3,6]}}", 6)) != NULL);
    {
        const int64_t *shape = NULL;
        CHECK(d && strcmp(tg_dict_raw_type(d, 0), "F4") == 0 && tg_dict_raw_shape(d, 0, &shape) == 2 && shape[0] == 3 && shape[1] == 2);
        CHECK(d && tg_dict_at(d, 0)->ndim == 1 && tg_dict_at(d, 0)->numel == 3 && tg_dict_at(d, 0)->dtype == TG_U8 && tg_dict_at(d, 1)->numel == 3);
        CHECK(d && !tg_dict_f32(d, 0) && tg_error(tg) == TG_ERROR_VALUE); tg_clear(tg);
        bytes = tg_safetensors_bytes(d);
        e = bytes ? tg_safetensors_parse(tg, bytes->data, (size_t)bytes->numel) : NULL;
        CHECK(same_dict(d, e) && strcmp(tg_dict_raw_type(e, 1), "F6_E2M3") == 0);
        tg_dict_free(d); tg_dict_free(e);
    }

    /* what is not */
#define T(dtype, shape, offsets) "{\"w\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}}"
    CHECK(refused(tg, "", 0, "does not begin with {"));
    CHECK(refused(tg, " {}", 0, "does not begin with {"));
    CHECK(refused(tg, "{}", 1, "bytes behind the last tensor"));
    CHECK(refused(tg, "{}{}", 0, "behind the header"));
    CHECK(refused(tg, "{", 0, "expected a string"));
    CHECK(refused(tg, "{\"w", 0, "does not end"));
    CHECK(refused(tg, "{\"w\\", 0, "incomplete escape"));
    CHECK(refused(tg, "{\"w\\x41\"", 0, "unknown escape"));
    CHECK(refused(tg, "{\"w\\u00g0\"", 0, "incomplete escape"));
    CHECK(refused(tg, "{\"w\\ud800\"", 0, "half of a surrogate"));
    CHECK(refused(tg, "{\"w\\ud800\\u0041\"", 0, "half of a surrogate"));
    CHECK(refused(tg, "{\"w\\udc00\"", 0, "half of a surrogate"));
    CHECK(refused(tg, "{\"w\\u0000\"", 0, "U+0000"));
    CHECK(refused(tg, "{\"w\xc0\x80\"", 0, "not UTF-8"));
    CHECK(refused(tg, "{\"w\xf4\x90\x80\x80\"", 0, "not UTF-8"));
    CHECK(refused(tg, "{\"w\x01\"", 0, "control character"));
    CHECK(refused(tg, T("F32", "[1]", "[0,4]"), 3, "past the end"));
    CHECK(refused(tg, T("F32", "[1]", "[4,0]"), 4, "ends before it begins"));
    CHECK(refused(tg, T("F32", "[2]", "[0,4]"), 4, "does not fit"));
    CHECK(refused(tg, T("F32", "[0,4611686018427387905,4]", "[0,0]"), 0, "cannot be counted"));
    CHECK(refused(tg, T("F4", "[3]", "[0,2]"), 2, "cannot be counted"));
    CHECK(refused(tg, T("F32", "[01]", "[0,4]"), 4, "begins with 0"));
    CHECK(refused(tg, T("F32", "[1.0]", "[0,4]"), 4, "in a shape"));
    CHECK(refused(tg, T("F32", "[1e0]", "[0,4]"), 4, "in a shape"));
    CHECK(refused(tg, T("F32", "[-0]", "[0,0]"), 0, "not negative"));
    CHECK(refused(tg, T("F32", "[1,]", "[0,4]"), 4, "not negative"));
    CHECK(refused(tg, T("F32", "[18446744073709551616]", "[0,4]"), 4, "64 bits"));
    CHECK(refused(tg, T("F32", "[9223372036854775808]", "[0,4]"), 4, "63 bits"));
    CHECK(refused(tg, T("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), 4, "more than 8 dimensions"));
    CHECK(refused(tg, T("C64", "[1,1,1,1,1,1,1,1]", "[0,8]"), 8, "one more dimension"));
    CHECK(refused(tg, T("C128", "[1]", "[0,16]"), 16, "unknown"));
    CHECK(refused(tg, T("", "[1]", "[0,16]"), 16, "unknown"));
    CHECK(refused(tg, T("F32", "[1]", "[0,4,4]"), 4, "[begin, end]"));
    CHECK(refused(tg, "{\"w\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", 0, "comes twice"));
    CHECK(refused(tg, "{\"w\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0],\"x\":1}}", 0, "'x'"));
    CHECK(refused(tg, "{\"w\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},\"w\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", 0, "'w' comes twice"));
    CHECK(refused(tg, "{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}", 0, "comes twice"));
    CHECK(refused(tg, "{\"__metadata__\":{},\"__metadata__\":{}}", 0, "comes twice"));
    CHECK(refused(tg, "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]},\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[2,3]}}", 3, "'a' leaves a hole"));
    CHECK(refused(tg, "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]},\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}", 3, "'a' overlaps"));
    CHECK(refused(tg, "{\"bad \\u001b[31m name\":{}}", 0, "expected a string"));
    CHECK(refused(tg, "{\"bad\\u001b[31m\":1}", 0, "'bad?[31m' is not followed"));
#undef T
    memset(far_off, 0xff, sizeof far_off);
    CHECK(!tg_safetensors_parse(tg, far_off, sizeof far_off) && has_text(tg, "longer than 100 MB at byte 0")); tg_clear(tg);
    CHECK(!tg_safetensors_parse(tg, "\1\0\0\0\0\0\0", 7) && has_text(tg, "shorter than the 8 bytes")); tg_clear(tg);
    tg_end(tg, m);
    remove("test_io.tmp");
}

static void test_small_types(tg_ctx *tg) {
    static const char *const names[] = { "F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ" };
    static const int bits[] = { 4, 5, 7, 4, 5 }, bias[] = { 7, 15, 127, 8, 16 };
    static const uint64_t words[] = { 1, 9223372036854775807u, 9223372036854775808u, 18446744073709551615u };
    tg_mark m = tg_begin(tg);
    tg_dict *d = tg_dict_new(tg), *e;
    tg_tensor *all = tg_empty(tg, TG_SHAPE(256), TG_U8), *bytes, *v;
    int64_t shape[1] = { 256 };
    int i, k, p, wrong;
    for (i = 0; i < 256; i++) ((uint8_t *)all->data)[i] = (uint8_t)i;
    for (k = 0; k < 5; k++) CHECK(tg_dict_set_raw(d, names[k], names[k], 1, shape, all));
    bytes = tg_safetensors_bytes(d);
    e = bytes ? tg_safetensors_parse(tg, bytes->data, (size_t)bytes->numel) : NULL;
    CHECK(same_dict(d, e) && same_tensor(bytes, tg_safetensors_bytes(e)));
    for (k = 0; k < 5; k++) {
        CHECK(tg_dict_raw_type(e, k) && strcmp(tg_dict_raw_type(e, k), names[k]) == 0);
        v = tg_dict_f32(e, k);
        for (wrong = 0, i = 0; v && i < 256; i++) {                    /* each value from its definition, in double */
            int mantissa = 7 - bits[k], ex = (i & 127) >> mantissa, fraction = i & ((1 << mantissa) - 1);
            double x = ex ? fraction + (1 << mantissa) : fraction;
            float got = ((float *)v->data)[i];
            bool nan = k == 0 ? (i & 127) == 127 : k == 1 ? ex == 31 && fraction : k == 2 ? i == 255 : i == 128, inf = k == 1 && ex == 31 && !fraction;
            if (k == 2) { x = 1; for (p = 127; p < i; p++) x *= 2; for (p = i; p < 127; p++) x /= 2; }
            else for (p = (ex ? ex : 1) - bias[k] - mantissa; p; p += p < 0 ? 1 : -1) x = p < 0 ? x / 2 : x * 2;
            if (k != 2 && i & 128) x = -x;
            if (nan ? !tg__is_nan(got) : inf ? tg__is_finite(got) || tg__is_nan(got) || (got < 0) != (i > 127) : got != (float)x) wrong++;
        }
        CHECK(v && wrong == 0);
    }
    tg_dict_free(d); tg_dict_free(e);

    /* unsigned words: as the next signed type where all fit */
    d = tg_dict_new(tg);
    v = tg_empty(tg, TG_SHAPE(4, 8), TG_U8);
    memcpy(v->data, words, 32);
    if (tg__big_host()) tg__swap_words((unsigned char *)v->data, 32, 8);
    shape[0] = 4;
    CHECK(tg_dict_set_raw(d, "big", "U64", 1, shape, v));
    shape[0] = 2;
    CHECK(tg_dict_set_raw(d, "fits", "U64", 1, shape, tg_narrow(v, 0, 0, 2)));
    shape[0] = 8;
    CHECK(tg_dict_set_raw(d, "u32", "U32", 1, shape, v));
    shape[0] = 16;
    CHECK(tg_dict_set_raw(d, "u16", "U16", 1, shape, v));
    shape[0] = 4;
    CHECK(tg_dict_set_raw(d, "c64", "C64", 1, shape, v));
    CHECK(!tg_dict_set_raw(d, "x", "U16", 1, shape, v) && tg_error(tg) == TG_ERROR_VALUE); tg_clear(tg);
    CHECK(!tg_dict_set_raw(d, "x", "float", 1, shape, v) && tg_error(tg) == TG_ERROR_VALUE); tg_clear(tg);
    bytes = tg_safetensors_bytes(d);
    e = bytes ? tg_safetensors_parse(tg, bytes->data, (size_t)bytes->numel) : NULL;
    CHECK(e && strcmp(tg_dict_raw_type(e, 0), "U64") == 0 && same_tensor(tg_dict_get(e, "big"), v));
    CHECK(e && !tg_dict_raw_type(e, 1) && tg_dict_at(e, 1)->dtype == TG_I64 && ((int64_t *)tg_dict_at(e, 1)->data)[1] == INT64_MAX);
    CHECK(e && (v = tg_dict_f32(e, 0)) != NULL && v->ndim == 1 && ((float *)v->data)[3] == 18446744073709551616.0f && ((float *)v->data)[0] == 1);
    CHECK(e && tg_dict_at(e, 2)->dtype == TG_I64 && ((int64_t *)tg_dict_at(e, 2)->data)[7] == 4294967295);
    CHECK(e && tg_dict_at(e, 3)->dtype == TG_I32 && ((int32_t *)tg_dict_at(e, 3)->data)[15] == 65535);
    CHECK(e && tg_dict_at(e, 4)->dtype == TG_F32 && tg_dict_at(e, 4)->ndim == 2 && tg_dict_at(e, 4)->shape[1] == 2);
    tg_dict_free(d); tg_dict_free(e);
    tg_end(tg, m);
}

static tg_tensor *npy_text(tg_ctx *tg, const char *header, size_t data) {
    size_t n = strlen(header);
    char *p = (char *)calloc(10 + n + data, 1);
    tg_tensor *t;
    memcpy(p, "\x93NUMPY\1", 8);
    p[8] = (char)(n & 255); p[9] = (char)(n >> 8);
    memcpy(p + 10, header, n);
    t = tg_npy_parse(tg, p, 10 + n + data);
    free(p);
    return t;
}
static bool npy_refused(tg_ctx *tg, const char *header, size_t data, const char *why) {
    tg_tensor *t = npy_text(tg, header, data);
    bool ok = !t && tg_error(tg) == TG_ERROR_FORMAT && has_text(tg, why);
    if (!ok) printf("  %s -> %s\n", header, t ? "loaded" : tg_error_text(tg));
    tg_clear(tg);
    return ok;
}
static void test_npy(tg_ctx *tg) {
    int64_t shape[8] = { 2, 3, 1, 2, 1, 1, 1, 2 }, expand[2] = { 4, 3 };
    tg_tensor *x, *y, *bytes;
    int i, k;
    for (i = 0; i < TG_DTYPES; i++) {
        tg_mark m = tg_begin(tg);
        tg_tensor *all[8];
        x = some(tg, TG_SHAPE(3, 4, 5), (tg_dtype)i);
        all[0] = x; all[1] = tg_transpose(x, 0, 2); all[2] = tg_slice(x, "1:, ::-2, 1:4"); all[3] = some(tg, TG_SCALAR, (tg_dtype)i);
        all[4] = some(tg, TG_SHAPE(0), (tg_dtype)i); all[5] = some(tg, TG_SHAPE(3, 0, 2), (tg_dtype)i); all[6] = some(tg, 8, shape, (tg_dtype)i);
        all[7] = tg_expand(some(tg, TG_SHAPE(3), (tg_dtype)i), 2, expand);
        for (k = 0; k < 8; k++) {
            if (i == TG_BF16) {
                CHECK(!tg_npy_bytes(all[k]) && tg_error(tg) == TG_ERROR_VALUE && has_text(tg, "tg_to")); tg_clear(tg);
                CHECK(!tg_npy_save(all[k], "test_io.tmp") && has_text(tg, "bf16")); tg_clear(tg);
                continue;
            }
            bytes = tg_npy_bytes(all[k]);
            CHECK(bytes != NULL);
            if (!bytes) { printf("  %s\n", tg_error_text(tg)); tg_clear(tg); continue; }
            y = tg_npy_parse(tg, bytes->data, (size_t)bytes->numel);
            CHECK(same_tensor(all[k], y) && same_tensor(bytes, tg_npy_bytes(y)));
            CHECK(tg_npy_save(all[k], "test_io.tmp") && same_tensor(all[k], tg_npy_load(tg, "test_io.tmp")));
        }
        tg_end(tg, m);
    }
    remove("test_io.tmp");
#define H(d, f, s) "{'descr': " d ", 'fortran_order': " f ", 'shape': " s ", }"
    {
        tg_mark m = tg_begin(tg);
        CHECK((x = npy_text(tg, H("'<f4'", "False", "(2, 3)"), 24)) != NULL && x->ndim == 2 && x->shape[1] == 3);
        CHECK((x = npy_text(tg, H("'<f4'", "False", "(2L, 3L)"), 24)) != NULL);
        CHECK((x = npy_text(tg, H("'f4'", "True", "()"), 4)) != NULL && x->ndim == 0);
        CHECK((x = npy_text(tg, "{\"shape\":(6,),\"fortran_order\":True,\"descr\":\"|b1\"}\n", 7)) != NULL && x->dtype == TG_BOOL);      /* one byte more: ignored */
        CHECK((x = npy_text(tg, H("'<c16'", "True", "(1, 1, 1, 1, 1, 2, 1)"), 32)) != NULL && x->ndim == 8 && x->shape[7] == 2 && x->dtype == TG_F64);
        CHECK(npy_refused(tg, H("'<c8'", "False", "(1, 1, 1, 1, 1, 1, 1, 1)"), 8, "one more dimension"));
        CHECK(npy_refused(tg, H("'<f4'", "False", "(1, 1, 1, 1, 1, 1, 1, 1, 1)"), 4, "more than 8 dimensions"));
        CHECK(npy_refused(tg, H("'<f4'", "False", "(3)"), 12, "(n,)"));
        CHECK(npy_refused(tg, H("'<f4'", "False", "(,)"), 12, "whole number"));
        CHECK(npy_refused(tg, H("'<f4'", "False", "(1 2)"), 12, "expected , or )"));
        CHECK(npy_refused(tg, H("'<f4'", "False", "[3]"), 12, "expected ("));
        CHECK(npy_refused(tg, H("'<f4'", "False", "(-3,)"), 12, "not negative"));
        CHECK(npy_refused(tg, H("'<f4'", "False", "(0, 9223372036854775807, 9)"), 12, "counted"));
        CHECK(npy_refused(tg, H("'<f4'", "0", "(3,)"), 12, "True or False"));
        CHECK(npy_refused(tg, H("'<f4'", "Falsey", "(3,)"), 12, "expected , or }"));
        CHECK(npy_refused(tg, H("'<f4'", "False", "(4,)"), 15, "shorter than its shape"));
        CHECK(npy_refused(tg, H("'|O'", "False", "(1,)"), 15, "element type"));
        CHECK(npy_refused(tg, H("'<U4'", "False", "(1,)"), 16, "element type"));
        CHECK(npy_refused(tg, H("'<f16'", "False", "(1,)"), 16, "element type"));
        CHECK(npy_refused(tg, H("'<<f4'", "False", "(1,)"), 16, "element type"));
        CHECK(npy_refused(tg, H("'<'", "False", "(1,)"), 16, "element type"));
        CHECK(npy_refused(tg, H("''", "False", "(1,)"), 16, "element type"));
        CHECK(npy_refused(tg, H("[('a', '<f4')]", "False", "(1,)"), 16, "expected a string"));
        CHECK(npy_refused(tg, H("'\\x3cf4'", "False", "(1,)"), 16, "unexpected character"));
        CHECK(npy_refused(tg, H("'<f4'", "False", "(1,)") "x", 16, "behind the header"));
        CHECK(npy_refused(tg, "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", 4, "once"));
        CHECK(npy_refused(tg, "{,}", 4, "expected a string"));
        CHECK(npy_refused(tg, "{}", 4, "no descr"));
        CHECK(npy_refused(tg, "", 4, "begin with {"));
        CHECK(!tg_npy_parse(tg, "\x93NUMPY\4\0\0\0", 10) && has_text(tg, "version")); tg_clear(tg);
        CHECK(!tg_npy_parse(tg, "PK\3\4", 4) && has_text(tg, "not an npy file at byte 0")); tg_clear(tg);
        tg_end(tg, m);
    }
#undef H
}

/* Every truncation of a valid file is refused; every other byte of its header is survived. Copies of the exact size let a sanitiser see one byte too far. */
typedef bool (*reader)(tg_ctx *tg, const void *bytes, size_t size);
static bool read_safetensors(tg_ctx *tg, const void *bytes, size_t size) {
    tg_dict *d = tg_safetensors_parse(tg, bytes, size);
    tg_dict_free(d);
    return d != NULL;
}
static bool read_npy(tg_ctx *tg, const void *bytes, size_t size) { return tg_npy_parse(tg, bytes, size) != NULL; }

static void damage(tg_ctx *tg, reader f, const tg_tensor *file, size_t head) {
    const char *bytes = (const char *)file->data;
    size_t size = (size_t)file->numel, i, before = settle(tg);
    int wrong = 0, x;
    tg_mark m;
    for (i = 0; i < size; i++) {
        char *p = (char *)malloc(i ? i : 1);
        memcpy(p, bytes, i);
        m = tg_begin(tg);
        if (f(tg, p, i) || tg_error(tg) != TG_ERROR_FORMAT) wrong++;
        tg_clear(tg); tg_end(tg, m);
        free(p);
    }
    CHECK(wrong == 0);
    {
        char *p = (char *)malloc(size);
        memcpy(p, bytes, size);
        for (wrong = 0, i = 0; i < head; i++) {
            for (x = 1; x < 256; x += i < 1000 ? 1 : 97) {
                p[i] = (char)(bytes[i] ^ x);
                m = tg_begin(tg);
                if (f(tg, p, size) ? tg_failed(tg) : tg_error(tg) != TG_ERROR_FORMAT) wrong++;
                tg_clear(tg); tg_end(tg, m);
            }
            p[i] = bytes[i];
        }
        free(p);
    }
    CHECK(wrong == 0);
    CHECK(settle(tg) == before);
}
static tg_dict *little_dict(tg_ctx *tg) {
    tg_dict *d = tg_dict_new(tg);
    tg_mark m = tg_begin(tg);
    tg_tensor *x = some(tg, TG_SHAPE(2, 3), TG_F32);
    (void)tg_dict_set(d, "w\n\xc3\xa9", x ? tg_transpose(x, 0, 1) : NULL);
    (void)tg_dict_set(d, "n", some(tg, TG_SHAPE(300), TG_I64));
    (void)tg_dict_set(d, "h", some(tg, TG_SCALAR, TG_BF16));
    (void)tg_dict_set_meta(d, "format", "pt");
    tg_end(tg, m);
    if (tg_failed(tg)) { tg_dict_free(d); return NULL; }
    return d;
}
static void test_damage(tg_ctx *tg) {
    tg_mark m = tg_begin(tg);
    tg_dict *d = little_dict(tg);
    tg_tensor *file = tg_safetensors_bytes(d);
    CHECK(file != NULL);
    if (file) damage(tg, read_safetensors, file, 8 + (size_t)tg__get_word((unsigned char *)file->data, 8, false));
    tg_dict_free(d);
    file = tg_npy_bytes(tg_transpose(some(tg, TG_SHAPE(2, 3), TG_F32), 0, 1));
    CHECK(file != NULL);
    if (file) damage(tg, read_npy, file, 128);
    file = npy_text(tg, "{'descr': '>u8', 'fortran_order': True, 'shape': (2, 2)}", 32) ? file : NULL;
    CHECK(file != NULL);
    {
        static const char text[] = "\x93NUMPY\1\0\x38\0{'descr': '>u8', 'fortran_order': True, 'shape': (2, 2)}";
        tg_tensor *t = tg_zeros(tg, TG_SHAPE(1));
        int64_t n = (int64_t)(sizeof text - 1 + 32);
        t = tg_empty(tg, 1, &n, TG_U8);
        memset(t->data, 0xee, (size_t)n);
        memcpy(t->data, text, sizeof text - 1);
        CHECK(read_npy(tg, t->data, (size_t)n));
        damage(tg, read_npy, t, sizeof text - 1);
    }
    tg_end(tg, m);
}

/* Every allocation fails in turn. What a job does must then be undone or done, never half. */
typedef bool (*job)(tg_ctx *tg, int step);
static tg_tensor *kept_file;
static tg_dict *kept_dict;
static bool job_parse(tg_ctx *tg, int step) { (void)step; return read_safetensors(tg, kept_file->data, (size_t)kept_file->numel); }
static bool job_bytes(tg_ctx *tg, int step) { (void)tg; (void)step; return tg_safetensors_bytes(kept_dict) != NULL; }
static bool job_save(tg_ctx *tg, int step) { (void)tg; (void)step; return tg_safetensors_save(kept_dict, "test_io.tmp"); }
static bool job_load(tg_ctx *tg, int step) { tg_dict *d = tg_safetensors_load(tg, "test_io.tmp"); (void)step; tg_dict_free(d); return d != NULL; }
static bool job_build(tg_ctx *tg, int step) { tg_dict *d = little_dict(tg); (void)step; tg_dict_free(d); return d != NULL; }
static bool job_npy(tg_ctx *tg, int step) {
    tg_tensor *t = tg_transpose(tg_dict_get(kept_dict, "w\n\xc3\xa9"), 0, 1), *b = t ? tg_npy_bytes(tg_transpose(t, 0, 1)) : NULL;
    static const char fortran[] = "\x93NUMPY\1\0\x38\0{'descr': '>u8', 'fortran_order': True, 'shape': (2, 2)}0123456789abcdef0123456789abcdef";
    (void)step;
    return b && tg_npy_parse(tg, b->data, (size_t)b->numel) && tg_npy_parse(tg, fortran, sizeof fortran - 1) && tg_npy_save(t, "test_io2.tmp") && tg_npy_load(tg, "test_io2.tmp");
}
static bool job_f32(tg_ctx *tg, int step) {
    tg_dict *d = parse_text(tg, "{\"w\":{\"dtype\":\"F8_E4M3\",\"shape\":[600],\"data_offsets\":[0,600]}}", 600);
    bool ok = d && tg_dict_f32(d, 0) != NULL;
    (void)step;
    tg_dict_free(d);
    return ok;
}
static void every_allocation(heap *h, tg_ctx *tg, job f, const char *name, int min_failures, bool for_good) {
    size_t before = settle(tg);
    int64_t held = (int64_t)tg->held_count;
    int n, wrong = 0;
    bool done = false;
    for (n = 1; n < 10000 && !done; n++) {
        tg_mark m = tg_begin(tg);
        h->for_good = for_good;
        h->fail_at = h->calls + n;
        done = f(tg, n);
        if (h->calls < h->fail_at && !done) wrong++;                   /* nothing failed, and yet it did not work */
        h->fail_at = 0;
        if (done == tg_failed(tg) || (!done && tg_error(tg) != TG_ERROR_MEMORY && tg_error(tg) != TG_ERROR_FILE)) wrong++;
        if (!done && tg_dict_count(kept_dict) != 3) wrong++;
        tg_clear(tg);
        tg_end(tg, m);
        if ((int64_t)tg->held_count != held) wrong++;
        if (n % 8 == 0 && settle(tg) != before) wrong++;
    }
    if (wrong || !done || n < min_failures || settle(tg) != before) printf("  %s: %d rounds, %d wrong, leaked %ld\n", name, n, wrong, (long)(settle(tg) - before));
    CHECK(wrong == 0 && done && n >= min_failures && settle(tg) == before);
}
static bool same_file(tg_ctx *tg, const char *path, const tg_tensor *bytes) {
    void *data;
    size_t size;
    bool ok = tg__load_file(tg, path, &data, &size);
    if (!ok) return false;
    ok = size == (size_t)bytes->numel && memcmp(data, bytes->data, size) == 0;
    tg__mem_put(tg, data, size);
    return ok;
}
static tg_tensor *old_file;
static bool job_replace(tg_ctx *tg, int step) {                        /* a failed save leaves the old file, a good one the new */
    bool ok = tg_safetensors_save(kept_dict, "test_io3.tmp");
    heap *h = (heap *)tg->config.hooks.alloc_user;
    long at = h->fail_at;
    (void)step;
    h->fail_at = 0;
    if (!ok) {
        int number = tg_error_number(tg);
        tg_error_code code = tg_error(tg);
        tg_clear(tg);
        if (!same_file(tg, "test_io3.tmp", old_file)) { printf("  the old file is damaged\n"); test_failed++; }
        tg->error = code; tg->error_number = number;
    } else if (!same_file(tg, "test_io3.tmp", kept_file)) { printf("  the new file is not there\n"); test_failed++; }
    h->fail_at = at;
    return ok;
}
static void test_allocations(void) {
    heap h;
    tg_ctx *tg;
    tg_mark m;
    int i;
    memset(&h, 0, sizeof h);
    tg = open_with(&h, 0);
    CHECK(tg != NULL);
    if (!tg) return;
    m = tg_begin(tg);
    kept_dict = little_dict(tg);
    kept_file = tg_safetensors_bytes(kept_dict);
    CHECK(kept_dict && kept_file);
    for (i = 0; i < 2; i++) {
        every_allocation(&h, tg, job_build, "building", 8, i == 1);
        every_allocation(&h, tg, job_parse, "parse", 8, i == 1);
        every_allocation(&h, tg, job_bytes, "bytes", 3, i == 1);
        every_allocation(&h, tg, job_save, "save", 4, i == 1);
        every_allocation(&h, tg, job_load, "load", 8, i == 1);
        every_allocation(&h, tg, job_npy, "npy", 8, i == 1);
        every_allocation(&h, tg, job_f32, "f32", 6, i == 1);
    }
    old_file = some(tg, TG_SHAPE(100), TG_U8);
    { const void *part = old_file->data; size_t size = 100; CHECK(tg__save_file(tg, "test_io3.tmp", &part, &size, 1)); }
    every_allocation(&h, tg, job_replace, "replace", 4, false);
    remove("test_io.tmp"); remove("test_io2.tmp"); remove("test_io3.tmp");
    tg_dict_free(kept_dict);
    tg_end(tg, m);
    tg_close(tg);
    CHECK(h.blocks == 0);

    /* a file that unfolds into more than the limit is a clean error */
    tg = open_with(NULL, (size_t)1 << 20);
    m = tg_begin(tg);
    {
        size_t size = (size_t)3 << 20, k;
        char *p = (char *)calloc(size, 1), text[128];
        snprintf(text, sizeof text, "{\"w\":{\"dtype\":\"U8\",\"shape\":[%ld],\"data_offsets\":[0,%ld]}}", (long)(size - 108), (long)(size - 108));
        for (k = strlen(text); k < 100; k++) text[k] = ' ';
        p[0] = 100;
        memcpy(p + 8, text, 100);
        CHECK(!tg_safetensors_parse(tg, p, size) && tg_error(tg) == TG_ERROR_MEMORY); tg_clear(tg);
        CHECK(tg_zeros(tg, TG_SHAPE(4)) != NULL);
        free(p);
    }
    tg_end(tg, m);
    tg_close(tg);
}

/* Saving where it cannot work. */
static bool no_write(void *user, const char *path, const void *const *parts, const size_t *sizes, int n) { (void)user; (void)path; (void)parts; (void)sizes; (void)n; return false; }
static void test_failing_save(tg_ctx *tg) {
    tg_mark m = tg_begin(tg);
    tg_dict *d = little_dict(tg);
    tg_tensor *file = tg_safetensors_bytes(d), *t = some(tg, TG_SHAPE(1000), TG_F32);
    CHECK(!tg_safetensors_save(d, "no/such/folder/x") && tg_error(tg) == TG_ERROR_FILE); tg_clear(tg);
    CHECK(!tg_npy_save(t, "no/such/folder/x") && tg_error(tg) == TG_ERROR_FILE); tg_clear(tg);
    CHECK(!tg_safetensors_save(d, "") && tg_error(tg) == TG_ERROR_FILE); tg_clear(tg);
    CHECK(!tg_safetensors_save(d, NULL) && tg_error(tg) == TG_ERROR_NULL); tg_clear(tg);
    CHECK(tg_safetensors_save(d, "test_io.tmp"));
#if (defined(__unix__) || defined(__APPLE__)) && defined(SIGXFSZ)
    {
        struct rlimit old, less;
        void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
        getrlimit(RLIMIT_FSIZE, &old);
        less = old; less.rlim_cur = 700;
        setrlimit(RLIMIT_FSIZE, &less);
        CHECK(!tg_safetensors_save(d, "test_io.tmp") && tg_error(tg) == TG_ERROR_FILE); tg_clear(tg);
        CHECK(!tg_npy_save(t, "test_io.tmp") && tg_error(tg) == TG_ERROR_FILE); tg_clear(tg);
        setrlimit(RLIMIT_FSIZE, &old);
        signal(SIGXFSZ, handler);
    }
#else
    test_skipped++;
#endif
    CHECK(file && same_file(tg, "test_io.tmp", file));
    remove("test_io.tmp");
    tg_dict_free(d);
    tg_end(tg, m);
    {
        tg_config c;
        tg_ctx *other;
        memset(&c, 0, sizeof c);
        c.hooks.log = test_quiet;
        c.hooks.file_write = no_write;
        other = tg_open(&c);
        CHECK(other != NULL);
        d = little_dict(other);
        CHECK(!tg_safetensors_save(d, "test_io.tmp") && tg_error(other) == TG_ERROR_FILE);
        tg_dict_free(d);
        tg_close(other);
    }
}

/* Ten times the tensors take about ten times as long. Times are noisy, so only the gross case fails. */
static void test_linear(tg_ctx *tg) {
    double seconds[2];
    int k, i, n = 2000;
    for (k = 0; k < 2; k++, n *= 10) {
        tg_dict *d = tg_dict_new(tg), *e;
        tg_mark m = tg_begin(tg);
        tg_tensor *x = some(tg, TG_SHAPE(1), TG_U8), *file;
        char name[64];
        clock_t start;
        for (i = 0; i < n; i++) { snprintf(name, sizeof name, "model.layers.%d.weight", n - i); if (!tg_dict_set(d, name, x)) break; }
        file = tg_safetensors_bytes(d);
        start = clock();
        e = file ? tg_safetensors_parse(tg, file->data, (size_t)file->numel) : NULL;
        CHECK(tg_dict_count(e) == n);
        for (i = 0; i < n; i++) { snprintf(name, sizeof name, "model.layers.%d.weight", i + 1); if (!tg_dict_get(e, name)) break; }
        CHECK(i == n);
        seconds[k] = (double)(clock() - start) / CLOCKS_PER_SEC;
        tg_dict_free(d); tg_dict_free(e);
        tg_end(tg, m);
    }
    printf("test_io: %d tensors parsed and found in %.1f ms, %d in %.1f ms\n", 2000, seconds[0] * 1e3, 20000, seconds[1] * 1e3);
    CHECK(seconds[1] < 60 * (seconds[0] + 0.001));
}

int main(void) {
    tg_ctx *tg = open_with(NULL, 0);
    size_t before;
    if (!tg) { printf("FAIL: tg_open\n"); return 1; }
    before = settle(tg);
    test_dict(tg);
    test_safetensors(tg);
    test_small_types(tg);
    test_npy(tg);
    test_damage(tg);
    test_failing_save(tg);
    CHECK(settle(tg) == before || tg_memory(tg).live_tensors == 0);
    tg_close(tg);
    test_allocations();
    { tg_config c; memset(&c, 0, sizeof c); c.hooks.log = test_quiet; tg = tg_open(&c); if (tg) test_linear(tg); tg_close(tg); }
    return test_end("io");
}
