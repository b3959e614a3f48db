/* Prints the map of tensorgrad.h: every chapter with its first line, its length and its budget; and checks that the file keeps its own order.
     cc tools/map.c -o map && ./map tensorgrad.h

   A chapter opens with a comment of exactly this form, at the left margin, and reaches to the next one (or to the next PART banner):

     / * ======================================================================================        (without the blank between / and *)
        >>tag    what lives here, in words
        ... more words ...
        ====================================================================================== * /

   The manual, the first comment of the file, holds the table of contents: the lines of it that begin with >>, after blanks and stars. A line may name several
   chapters; each word that begins with >> counts, up to the first other word:

        >>config >>types      what a program can set; the enums, the tensor
        >>context             opening, hooks, errors

   Checked, one count each: every chapter opens and closes in this form, has a tag of its own, stands in the table of contents at its place, has a budget below; every line of the
   contents has its chapter; the whole and the core stay within their budgets. Chapters over their budget are printed with a mark and do not fail: the budget is
   for talking about. Closes with 'map: N passed, N failed, N skipped' and exits with 1 if anything failed.                                         */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* tag, lines, and 1 for what a reader of the core reads (tensor, autograd, ops, passes) */
static const struct { const char *tag; int lines, core; } budgets[] = {
    { "config", 60, 1 },        { "types", 180, 1 },        { "context", 120, 1 },      { "scopes", 60, 1 },         { "tensor", 140, 1 },
    { "autograd", 140, 1 },     { "formulas", 300, 1 },     { "ops", 700, 1 }, { "device", 140, 1 },          { "places", 800, 0 },        { "nn", 600, 0 },
    { "optim", 250, 0 },        { "data", 250, 0 },         { "io", 300, 0 },           { "graph", 300, 0 },         { "debug", 150, 0 },
    { "impl-base", 160, 1 },    { "impl-platform", 1900, 0 }, { "impl-memory", 300, 1 }, { "impl-error", 350, 1 },   { "impl-jobs", 450, 1 },
    { "impl-passes", 350, 1 },  { "impl-tensor", 700, 1 },  { "impl-autograd", 1300, 1 }, { "impl-map", 1100, 1 },   { "impl-create", 450, 1 },
    { "impl-views", 800, 1 },   { "impl-reduce", 700, 1 },  { "impl-gemm", 800, 0 },    { "impl-matrix", 400, 1 },   { "impl-conv", 900, 0 },
    { "impl-sort", 300, 1 },    { "impl-index", 700, 1 },   { "impl-ops", 5000, 1 },    { "impl-pool", 500, 0 },     { "impl-norm", 500, 0 },
    { "impl-attention", 500, 0 }, { "impl-nn", 2000, 0 },   { "impl-optim", 700, 0 },   { "impl-data", 800, 0 },     { "impl-io", 1400, 0 },
    { "impl-graph", 3000, 0 },  { "impl-debug", 700, 0 },   { "impl-print", 500, 1 },   { "impl-tape", 400, 1 },
    { "pass-vector", 1500, 1 }, { "pass-maths", 1200, 1 },  { "pass-map", 400, 1 },     { "pass-reduce", 500, 1 },   { "pass-gemm", 1200, 0 },
    { "pass-conv", 800, 0 },    { "pass-convert", 200, 1 }, { "pass-random", 150, 1 },  { "pass-sort", 200, 0 },     { "pass-index", 200, 0 },
    { "changes", 200, 0 },      { "licence", 60, 0 },
};
#define WHOLE_BUDGET 40000
#define CORE_BUDGET 15000

#define ROOM 400
typedef struct chapter { char tag[48], words[120]; int first, last, used; } chapter;
static chapter chapters[ROOM], contents[ROOM];
static int n_chapters, n_contents, passed, failed;

static void check(int ok, const char *format, const char *a, int line) {
    if (ok) { passed++; return; }
    failed++;
    printf("FAIL ");
    printf(format, a, line);
    printf("\n");
}

/* `>>word` at s: copies the word, returns what follows it; NULL if it is none. */
static const char *tag_at(const char *s, char *tag, size_t room) {
    size_t n = 0;
    if (s[0] != '>' || s[1] != '>' || !((s[2] >= 'a' && s[2] <= 'z'))) return NULL;
    for (s += 2; (*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9') || *s == '-'; s++) if (n + 1 < room) tag[n++] = *s;
    tag[n] = 0;
    return s;
}
static const char *skip(const char *s, const char *set) { while (*s && strchr(set, *s)) s++; return s; }
static void trim(char *s) { size_t n = strlen(s); while (n && strchr(" \r\n\t", s[n - 1])) s[--n] = 0; }
static int bar(const char *s, const char *before) {        /* `before`, then at least 60 = */
    size_t n = strlen(before);
    return strncmp(s, before, n) == 0 && strspn(s + n, "=") >= 60;
}
static chapter *find(chapter *list, int n, const char *tag) {
    int i;
    for (i = 0; i < n; i++) if (strcmp(list[i].tag, tag) == 0) return &list[i];
    return NULL;
}

int main(int argc, char **argv) {
    const char *path = argc > 1 ? argv[1] : "tensorgrad.h";
    static char line[1 << 16], before[1 << 16];
    int number = 0, in_manual = 0, manual_done = 0, in_opening = 0, i, j, core = 0;
    FILE *f = fopen(path, "rb");
    if (!f) { printf("FAIL cannot open %s\nmap: 0 passed, 1 failed, 0 skipped\n", path); return 1; }
    before[0] = 0;
    while (fgets(line, sizeof line, f)) {
        char tag[48];
        const char *s = skip(line, " *\t|`"), *after;
        number++;
        trim(line);
        if (!manual_done && !in_manual && strstr(line, "/*") && !bar(line, "/* ")) in_manual = 1;
        else if (!manual_done && !in_manual && bar(line, "/* ")) manual_done = 1;                  /* a file without a manual */
        if (in_manual) {
            while ((after = tag_at(s, tag, sizeof tag)) != NULL) {
                if (n_contents < ROOM) { strcpy(contents[n_contents].tag, tag); contents[n_contents].first = number; n_contents++; }
                s = skip(after, " *\t|`");
            }
            if (strstr(line, "*/")) { in_manual = 0; manual_done = 1; }
        } else if (in_opening) {
            if (bar(line, "   ") && strstr(line, "*/")) { in_opening = 0; passed++; }
            else if (strstr(line, "*/")) { in_opening = 0; check(0, "the opening of >>%s does not close with a bar of = (line %d)", chapters[n_chapters - 1].tag, number); }
        } else if ((after = tag_at(skip(line, " "), tag, sizeof tag)) != NULL) {
            check(strncmp(line, "   >>", 5) == 0 && bar(before, "/* "), ">>%s (line %d) does not open as a chapter does: a bar, then three blanks and the tag", tag, number);
            check(find(chapters, n_chapters, tag) == NULL, ">>%s opens a second time (line %d)", tag, number);
            if (n_chapters) chapters[n_chapters - 1].last = number - 2;
            if (n_chapters < ROOM) {
                chapter *c = &chapters[n_chapters++];
                strcpy(c->tag, tag);
                strncpy(c->words, skip(after, " "), sizeof c->words - 1);
                c->first = number - 1;
                in_opening = 1;
            }
        }
        strcpy(before, line);
    }
    fclose(f);
    if (n_chapters) chapters[n_chapters - 1].last = number;

    printf("%6s %6s %7s  chapter\n", "line", "lines", "budget");
    for (i = 0; i < n_chapters; i++) {
        chapter *c = &chapters[i];
        int lines = c->last - c->first + 1, budget = 0;
        for (j = 0; j < (int)(sizeof budgets / sizeof budgets[0]); j++)
            if (strcmp(budgets[j].tag, c->tag) == 0) { budget = budgets[j].lines; if (budgets[j].core) core += lines; }
        printf("%6d %6d %7d%s >>%-16s %s\n", c->first, lines, budget, lines > budget ? "<" : " ", c->tag, c->words);
        check(budget > 0, ">>%s has no budget: add a row to the table in tools/map.c", c->tag, 0);
    }
    printf("%6s %6d %7d%s the whole\n%6s %6d %7d%s the core, manual not counted\n", "", number, WHOLE_BUDGET, number > WHOLE_BUDGET ? "<" : " ", "", core, CORE_BUDGET, core > CORE_BUDGET ? "<" : " ");
    check(number < WHOLE_BUDGET, "the file is longer than its budget%s", "", 0);
    check(core < CORE_BUDGET, "the core is longer than its budget%s", "", 0);
    check(n_chapters > 0, "%s has no chapters", path, 0);

    /* The table of contents: the same tags in the same order. */
    check(n_contents > 0, "the first comment of %s has no table of contents: lines that begin with >>tag", path, 0);
    if (n_contents) {
        for (i = 0; i < n_contents; i++)
            check(find(chapters, n_chapters, contents[i].tag) != NULL, "the contents name >>%s, which no chapter has (line %d)", contents[i].tag, contents[i].first);
        for (i = 0, j = 0; i < n_chapters; i++) {
            chapter *c = find(contents, n_contents, chapters[i].tag);
            check(c != NULL, ">>%s (line %d) is missing from the contents", chapters[i].tag, chapters[i].first);
            if (!c) continue;
            check((int)(c - contents) >= j, ">>%s (line %d) stands at another place in the contents than in the file", chapters[i].tag, chapters[i].first);
            if ((int)(c - contents) > j) j = (int)(c - contents);
        }
    }
    printf("map: %d passed, %d failed, 0 skipped\n", passed, failed);
    return failed != 0;
}
