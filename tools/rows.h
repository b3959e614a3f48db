/* Which rows of a benchmark are asked for: --rows GLOB[,GLOB] of bench.c and gpu_bench.c. */
#ifndef ROWS_H
#define ROWS_H
#include <stdbool.h>
#include <string.h>

static bool matches(const char *glob, const char *end, const char *s) {                   /* asterisk, question mark, [set] */
    for (; glob < end; glob++, s++) {
        if (*glob == '*') {
            for (;; s++) { if (matches(glob + 1, end, s)) return true; if (!*s) return false; }
        }
        if (!*s) return false;
        if (*glob == '[') {
            bool in = false;
            for (glob++; glob < end && *glob != ']'; glob++) {
                if (glob + 2 < end && glob[1] == '-' && glob[2] != ']') { if (*s >= glob[0] && *s <= glob[2]) in = true; glob += 2; }
                else if (*glob == *s) in = true;
            }
            if (!in) return false;
        } else if (*glob != '?' && *glob != *s) return false;
    }
    return !*s;
}
static bool wanted(const char *globs, const char *name) {
    for (;;) {
        const char *end = strchr(globs, ',');
        if (matches(globs, end ? end : globs + strlen(globs), name)) return true;
        if (!end) return false;
        globs = end + 1;
    }
}
#endif
