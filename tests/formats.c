/* Reads the valid files of ../shared/formats (or of the folders named as arguments) and compares them bit for bit with what their manifest expects, writes each
   again and reads that back. Formats without a reader are skipped. Closes with  formats: N passed, N failed, N skipped.
   cc tests/formats.c -o formats && ./formats [folder ...]                                                                                     */
#define TENSORGRAD_IMPLEMENTATION
#include "../tensorgrad.h"
#include "small_json.h"

static int passed, failed, skipped;
static const char *file_now;

static bool fail(const char *what, const char *more) {
    printf("FAIL %s: %s%s%s\n", file_now, what, more ? ": " : "", more ? more : "");
    return false;
}

/* What a file should hold: an element type by safetensors' name, a shape, and little-endian bytes. Read here without the library's readers. */
typedef struct expected { char type[16]; int ndim; int64_t shape[32]; const unsigned char *bytes; size_t size; } expected;

static uint64_t word(const unsigned char *p, int n) { uint64_t v = 0; while (n--) v = v << 8 | p[n]; return v; }

static void read_shape(const char *p, expected *e) {
    e->ndim = 0;
    for (p = json_first(p); p && e->ndim < 32; p = json_next(p, 0)) e->shape[e->ndim++] = strtoll(p, NULL, 10);
}

/* Tensor `name` of a safetensors file in memory. */
static bool expect_safetensors(const char *file, size_t size, const char *name, expected *e) {
    size_t head = (size_t)word((const unsigned char *)file, 8);
    const char *info = json_field(file + 8, name), *p;
    uint64_t begin, end;
    if (!info || size < 8 + head) return fail("the expectation has no tensor", name);
    json_string(json_field(info, "dtype"), e->type, sizeof e->type);
    read_shape(json_field(info, "shape"), e);
    p = json_first(json_field(info, "data_offsets"));
    begin = strtoull(p, NULL, 10);
    end = strtoull(json_next(p, 0), NULL, 10);
    e->bytes = (const unsigned char *)file + 8 + head + begin;
    e->size = (size_t)(end - begin);
    return true;
}

/* Member number i of an npz without compression, and its name without .npy; false behind the last. */
static bool npz_member(const char *zip, size_t size, int i, char *name, size_t name_size, const char **npy, size_t *npy_size) {
    const unsigned char *z = (const unsigned char *)zip, *p = z + size - 22, *local;
    int n = (int)word(p + 10, 2);
    size_t length;
    if (i >= n) return false;
    for (p = z + word(p + 16, 4); i--; p += 46 + word(p + 28, 2) + word(p + 30, 2) + word(p + 32, 2)) {}
    length = (size_t)word(p + 28, 2) - 4;
    if (length >= name_size) length = name_size - 1;
    memcpy(name, p + 46, length);
    name[length] = 0;
    local = z + word(p + 42, 4);
    *npy = (const char *)local + 30 + word(local + 26, 2) + word(local + 28, 2);
    *npy_size = (size_t)word(p + 20, 4);
    return true;
}
/* A version 1 npy as NumPy writes it, of one of the types that the expectations use. */
static bool expect_npy(const char *npy, size_t size, expected *e) {
    static const char *const types[][2] = { { "<f4", "F32" }, { "<f8", "F64" }, { "<i8", "I64" }, { "<i4", "I32" }, { "<i2", "I16" }, { "|u1", "U8" } };
    size_t head = (size_t)word((const unsigned char *)npy + 8, 2), i;
    char text[512];
    char *p;
    if (head >= sizeof text) return fail("long header in the expectation", NULL);
    memcpy(text, npy + 10, head);
    text[head] = 0;
    e->type[0] = 0;
    for (i = 0; i < sizeof types / sizeof types[0]; i++) if (strstr(text, types[i][0])) strcpy(e->type, types[i][1]);
    if (!e->type[0]) return fail("type of the expectation", text);
    for (p = strchr(text, '(') + 1, e->ndim = 0; *p != ')';) {
        if (*p >= '0' && *p <= '9') e->shape[e->ndim++] = strtoll(p, &p, 10);
        else p++;
    }
    e->bytes = (const unsigned char *)npy + 10 + head;
    e->size = size - 10 - head;
    return true;
}

static bool same_shape(tg_tensor *t, const expected *e, int64_t extra) {
    int i;
    if (t->ndim != e->ndim + (extra != 0)) return false;
    for (i = 0; i < e->ndim; i++) if (t->shape[i] != e->shape[i]) return false;
    return !extra || t->shape[i] == extra;
}

/* t against the expectation, by the table in tensorgrad.h for types that no dtype holds. */
static bool same(tg_tensor *t, const expected *e) {
    static const char *const types[] = { "F32", "F64", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL" };
    int64_t i;
    if (!t) return fail("no tensor", NULL);
    if (!tg_is_contiguous(t)) return fail("not in C order", NULL);
    if (strcmp(e->type, "U16") == 0) {
        if (t->dtype != TG_I32 || !same_shape(t, e, 0)) return fail("dtype or shape of U16", NULL);
        for (i = 0; i < t->numel; i++) if (((int32_t *)t->data)[i] != (int32_t)word(e->bytes + i * 2, 2)) return fail("values of U16", NULL);
        return true;
    }
    if (strcmp(e->type, "U32") == 0) {
        if (t->dtype != TG_I64 || !same_shape(t, e, 0)) return fail("dtype or shape of U32", NULL);
        for (i = 0; i < t->numel; i++) if (((int64_t *)t->data)[i] != (int64_t)word(e->bytes + i * 4, 4)) return fail("values of U32", NULL);
        return true;
    }
    if (strcmp(e->type, "U64") == 0) {
        bool fits = true;
        for (i = 0; i < (int64_t)e->size; i += 8) if (e->bytes[i + 7] & 0x80) fits = false;
        if (t->dtype != (fits ? TG_I64 : TG_U8) || !same_shape(t, e, fits ? 0 : 8)) return fail("dtype or shape of U64", NULL);
    } else if (strcmp(e->type, "C64") == 0) {
        if (t->dtype != TG_F32 || !same_shape(t, e, 2)) return fail("dtype or shape of C64", NULL);
    } else if (strncmp(e->type, "F8_", 3) == 0) {
        if (t->dtype != TG_U8 || !same_shape(t, e, 0)) return fail("dtype or shape of an F8", NULL);
    } else if (t->dtype >= TG_DTYPES || strcmp(types[t->dtype], e->type) != 0 || !same_shape(t, e, 0)) return fail("dtype or shape", tg_dtype_name(t->dtype));
    if ((size_t)t->numel * tg_dtype_size(t->dtype) != e->size || (e->size && memcmp(t->data, e->bytes, e->size) != 0)) return fail("values", NULL);
    return true;
}

static bool same_bytes(tg_tensor *a, tg_tensor *b) {
    return a && b && a->numel == b->numel && a->dtype == b->dtype && (a->numel == 0 || memcmp(a->data, b->data, (size_t)a->numel * tg_dtype_size(a->dtype)) == 0);
}

static bool check_npy(tg_ctx *tg, const char *path, const char *bytes, size_t size, const char *expect, size_t expect_size) {
    tg_tensor *t = tg_npy_parse(tg, bytes, size), *again;
    expected e;
    if (!t) return fail("from memory", tg_error_text(tg));
    if (!expect_safetensors(expect, expect_size, "data", &e) || !same(t, &e)) return false;
    t = tg_npy_load(tg, path);
    if (!t) return fail("from disk", tg_error_text(tg));
    if (!same(t, &e)) return false;
    again = tg_npy_bytes(t);
    if (!again) return fail("writing", tg_error_text(tg));
    t = tg_npy_parse(tg, again->data, (size_t)again->numel);
    if (!t) return fail("reading what was written", tg_error_text(tg));
    return same(t, &e) && (same_bytes(again, tg_npy_bytes(t)) || fail("written twice, the bytes differ", NULL));
}

/* Tensors against the members of an npz: with `raw` these are bytes of the type and shape that the file declares. */
static bool check_members(tg_dict *d, const char *entry, const char *npz, size_t npz_size) {
    const char *raw = json_field(entry, "raw_bytes"), *npy;
    size_t npy_size;
    char name[256];
    int i;
    for (i = 0; npz_member(npz, npz_size, i, name, sizeof name, &npy, &npy_size); i++) {
        expected e;
        if (!expect_npy(npy, npy_size, &e)) return false;
        if (raw && *raw == 't') { strcpy(e.type, name); read_shape(json_field(entry, "shape"), &e); }      /* the tensors are named by their types */
        if (!same(tg_dict_get(d, name), &e)) return fail("tensor", name);
    }
    return tg_dict_count(d) == i || fail("number of tensors", NULL);
}
static bool check_floats(tg_ctx *tg, tg_dict *d, const char *values) {
    const char *p, *q;
    for (p = json_first(values); p; p = json_next(p, 1)) {
        char name[64];
        int64_t i, k = 0;
        tg_tensor *t = NULL;
        json_string(p, name, sizeof name);
        for (i = 0; i < tg_dict_count(d); i++) if (strcmp(tg_dict_name(d, i), name) == 0) t = tg_dict_f32(d, i);
        if (!t) return fail(name, tg_error_text(tg));
        for (q = json_first(json_value(p)); q; q = json_next(q, 0), k++) {
            if (k >= t->numel || ((float *)t->data)[k] != (float)strtod(q, NULL)) return fail("as float", name);
        }
        if (k != t->numel) return fail("number of floats", name);
    }
    return true;
}
static bool check_names(tg_dict *d, const char *names) {
    char name[1024];
    int64_t i = 0, k;
    const char *p;
    for (p = json_first(names); p; p = json_next(p, 0), i++) {
        tg_tensor *t;
        json_string(p, name, sizeof name);
        t = tg_dict_get(d, name);
        if (!t) return fail("no tensor of the name", name);
        if (t->dtype != TG_F32 || t->ndim != 1 || t->numel != i + 1) return fail("shape of", name);
        for (k = 0; k < t->numel; k++) if (((float *)t->data)[k] != (float)i) return fail("values of", name);
    }
    return tg_dict_count(d) == i || fail("number of tensors", NULL);
}
static bool check_meta(tg_dict *d, const char *meta) {
    char key[256], value[256];
    const char *p;
    int64_t n = 0;
    for (p = json_first(meta); p; p = json_next(p, 1), n++) {
        json_string(p, key, sizeof key);
        json_string(json_value(p), value, sizeof value);
        if (!tg_dict_meta(d, key) || strcmp(tg_dict_meta(d, key), value) != 0) return fail("metadata", key);
    }
    return tg_dict_meta_count(d) == n || fail("number of metadata", NULL);
}
static bool check_dict(tg_ctx *tg, tg_dict *d, const char *entry, const char *npz, size_t npz_size) {
    const char *p;
    if (npz && !check_members(d, entry, npz, npz_size)) return false;
    if ((p = json_field(entry, "as_float")) != NULL && !check_floats(tg, d, p)) return false;
    if ((p = json_field(entry, "names")) != NULL && !check_names(d, p)) return false;
    return (p = json_field(entry, "metadata")) == NULL || check_meta(d, p);
}
static bool check_safetensors(tg_ctx *tg, const char *path, const char *bytes, size_t size, const char *entry, const char *npz, size_t npz_size) {
    tg_dict *d = tg_safetensors_parse(tg, bytes, size);
    tg_tensor *first, *second;
    bool ok;
    if (!d) return fail("from memory", tg_error_text(tg));
    ok = check_dict(tg, d, entry, npz, npz_size);
    first = tg_safetensors_bytes(d);
    tg_dict_free(d);
    d = tg_safetensors_load(tg, path);
    if (!d) return fail("from disk", tg_error_text(tg));
    ok = check_dict(tg, d, entry, npz, npz_size) && ok;
    tg_dict_free(d);
    if (!first) return fail("writing", tg_error_text(tg));
    d = tg_safetensors_parse(tg, first->data, (size_t)first->numel);
    if (!d) return fail("reading what was written", tg_error_text(tg));
    second = tg_safetensors_bytes(d);
    if (!same_bytes(first, second)) ok = fail("written twice, the bytes differ", NULL);
    if (!json_field(entry, "raw_bytes")) ok = check_dict(tg, d, entry, npz, npz_size) && ok;
    tg_dict_free(d);
    return ok;
}

static void run_entry(tg_ctx *tg, const char *folder, const char *entry) {
    char path[1024], file[512], format[32], expect[512];
    char *bytes, *wanted = NULL;
    size_t size, wanted_size = 0;
    bool npy, ok;
    tg_mark m;
    json_string(json_field(entry, "file"), file, sizeof file);
    json_string(json_field(entry, "format"), format, sizeof format);
    file_now = file;
    npy = strcmp(format, "npy") == 0;
    if (!npy && strcmp(format, "safetensors") != 0) { skipped++; return; }
    if (json_field(entry, "expect")) {
        json_string(json_field(entry, "expect"), expect, sizeof expect);
        snprintf(path, sizeof path, "%s/%s", folder, expect);
        wanted = read_whole(path, &wanted_size);
        if (!wanted) { fail("cannot be read", path); failed++; return; }
    }
    snprintf(path, sizeof path, "%s/%s", folder, file);
    bytes = read_whole(path, &size);
    if (!bytes) { fail("cannot be read", NULL); failed++; free(wanted); return; }
    m = tg_begin(tg);
    if (npy) {
        expected e;
        memset(&e, 0, sizeof e);
        read_shape(json_field(entry, "shape"), &e);
        if (e.ndim > TG_MAX_DIMS) {                                    /* no tensor here has that many: a clear refusal is all there can be */
            ok = !tg_npy_parse(tg, bytes, size) && tg_error(tg) == TG_ERROR_FORMAT && strstr(tg_error_text(tg), "more than 8 dimensions");
            if (ok) { printf("SKIP %s: %d dimensions, tensors have at most %d\n", file, e.ndim, TG_MAX_DIMS); skipped++; }
            else { fail("not refused for its dimensions", NULL); failed++; }
            tg_clear(tg); tg_end(tg, m); free(bytes); free(wanted);
            return;
        }
        ok = wanted && check_npy(tg, path, bytes, size, wanted, wanted_size);
    } else ok = check_safetensors(tg, path, bytes, size, entry, wanted, wanted_size);
    tg_clear(tg);
    tg_end(tg, m);
    if (ok) passed++; else { fail("see above", NULL); failed++; }
    free(bytes);
    free(wanted);
}

static void run_folder(tg_ctx *tg, const char *folder) {
    char path[1024];
    char *manifest;
    const char *p;
    snprintf(path, sizeof path, "%s/manifest.json", folder);
    manifest = read_whole(path, NULL);
    if (!manifest) { printf("SKIP %s: no manifest\n", path); skipped++; return; }
    for (p = json_first(manifest); p; p = json_next(p, 0)) run_entry(tg, folder, p);
    free(manifest);
}

static void quiet(void *user, tg_log_level level, const char *text) { (void)user; (void)level; (void)text; }

int main(int argc, char **argv) {
    tg_config config;
    tg_ctx *tg;
    int i;
    memset(&config, 0, sizeof config);
    config.hooks.log = quiet;
    tg = tg_open(&config);
    if (!tg) { printf("FAIL: tg_open\n"); return 1; }
    if (argc < 2) run_folder(tg, "../shared/formats");
    for (i = 1; i < argc; i++) run_folder(tg, argv[i]);
    tg_close(tg);
    printf("formats: %d passed, %d failed, %d skipped\n", passed, failed, skipped);
    return failed != 0;
}
