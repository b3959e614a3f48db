/* A small reader for the tests' own manifests, apart from the library's: pointers into a text that ends with a 0, nothing allocated. Made for
   well-formed text that this project wrote; a malformed one ends a search early. */
#ifndef SMALL_JSON_H
#define SMALL_JSON_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *json_space(const char *p) { while (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t') p++; return p; }

/* Behind the value at p. */
static const char *json_skip(const char *p) {
    int depth = 0;
    p = json_space(p);
    do {
        if (*p == '"') { for (p++; *p && *p != '"'; p++) if (*p == '\\' && p[1]) p++; if (*p) p++; }
        else if (*p == '{' || *p == '[') { depth++; p++; }
        else if (*p == '}' || *p == ']') { depth--; p++; }
        else if (depth) p++;
        else while (*p && !strchr(",}] \n\r\t", *p)) p++;
    } while (depth > 0 && *p);
    return p;
}

/* Items of an array, values of an object: the first, the next, NULL at the end. For an object use json_value on what these return. */
static const char *json_first(const char *p) {
    p = json_space(p);
    if (*p != '[' && *p != '{') return NULL;
    p = json_space(p + 1);
    return *p == ']' || *p == '}' || !*p ? NULL : p;
}
static const char *json_value(const char *p) { p = json_space(json_skip(p)); return *p == ':' ? json_space(p + 1) : p; }
static const char *json_next(const char *p, int is_object) {
    p = json_space(json_skip(is_object ? json_value(p) : p));
    return *p == ',' ? json_space(p + 1) : NULL;
}

static size_t json_utf8(char *out, unsigned code) {
    if (code < 0x80) { out[0] = (char)code; return 1; }
    if (code < 0x800) { out[0] = (char)(0xC0 | code >> 6); out[1] = (char)(0x80 | (code & 63)); return 2; }
    if (code < 0x10000) { out[0] = (char)(0xE0 | code >> 12); out[1] = (char)(0x80 | ((code >> 6) & 63)); out[2] = (char)(0x80 | (code & 63)); return 3; }
    out[0] = (char)(0xF0 | code >> 18); out[1] = (char)(0x80 | ((code >> 12) & 63)); out[2] = (char)(0x80 | ((code >> 6) & 63)); out[3] = (char)(0x80 | (code & 63));
    return 4;
}
static unsigned json_hex(const char *p) { char h[5]; memcpy(h, p, 4); h[4] = 0; return (unsigned)strtoul(h, NULL, 16); }

/* Decodes the string at p, cut at size - 1 bytes. */
static void json_string(const char *p, char *out, size_t size) {
    size_t n = 0;
    p = json_space(p);
    if (*p == '"') p++;
    while (*p && *p != '"' && n + 5 < size) {
        if (*p != '\\') { out[n++] = *p++; continue; }
        p++;
        if (*p == 'u') {
            unsigned code = json_hex(p + 1);
            p += 5;
            if (code >= 0xD800 && code < 0xDC00 && p[0] == '\\' && p[1] == 'u') { code = 0x10000 + ((code - 0xD800) << 10) + (json_hex(p + 2) - 0xDC00); p += 6; }
            n += json_utf8(out + n, code);
            continue;
        }
        out[n++] = *p == 'n' ? '\n' : *p == 't' ? '\t' : *p == 'r' ? '\r' : *p == 'b' ? '\b' : *p == 'f' ? '\f' : *p;
        p++;
    }
    out[n] = 0;
}

/* The value of a field of the object at p; NULL if it has none of that name. */
static const char *json_field(const char *p, const char *name) {
    char key[256];
    for (p = json_first(p); p; p = json_next(p, 1)) {
        json_string(p, key, sizeof key);
        if (strcmp(key, name) == 0) return json_value(p);
    }
    return NULL;
}

/* A whole file with a 0 behind it; NULL if it cannot be read. */
static char *read_whole(const char *path, size_t *size) {
    FILE *f = fopen(path, "rb");
    size_t room = 1 << 16, n = 0, k;
    char *p;
    if (!f) return NULL;
    p = (char *)malloc(room);
    while (p && (k = fread(p + n, 1, room - n - 1, f)) > 0) {
        n += k;
        if (n + 1 == room) { char *q = (char *)realloc(p, room * 2); if (!q) { free(p); p = NULL; } else { p = q; room *= 2; } }
    }
    fclose(f);
    if (p) p[n] = 0;
    if (size) *size = n;
    return p;
}
#endif
