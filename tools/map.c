/* Prints the map of tensorgrad.h: every chapter with its first line, its length and its budget; and checks that the file keeps its own order.
     cc tools/map.c -o map && ./map tensorgrad.h
     CC=gcc ./map --against OLDER/tensorgrad.h tensorgrad.h      also compiles both by turns: the ratio, milliseconds by chapter, what the finished core will cost

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
#if defined(__unix__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE               /* wait4 */
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__unix__)
#include <sys/types.h>
#include <sys/time.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#endif

/* tag, lines, and 1 for what a reader of the core reads: tensor, autograd, ops, passes; of the families of kernels map, reduce and matrix, which are the pattern of the others */
static const struct { const char *tag; int lines, core; } budgets[] = {
    { "config", 60, 1 },        { "types", 180, 1 },        { "context", 120, 1 },      { "scopes", 60, 1 },         { "tensor", 140, 1 },
    { "autograd", 140, 1 },     { "formulas", 300, 1 },     { "ops", 700, 1 }, { "device", 220, 1 },          { "places", 800, 0 },        { "nn", 600, 0 },
    { "optim", 250, 0 },        { "data", 250, 0 },         { "io", 300, 0 },           { "graph", 300, 0 },         { "debug", 150, 0 },
    { "impl-base", 160, 1 },    { "impl-platform", 1900, 0 }, { "impl-memory", 300, 1 }, { "impl-error", 350, 1 },   { "impl-jobs", 450, 1 },
    { "impl-passes", 350, 1 },  { "impl-tensor", 700, 1 },  { "impl-autograd", 1300, 1 }, { "impl-map", 1100, 1 },   { "impl-create", 450, 1 },
    { "impl-views", 800, 1 },   { "impl-reduce", 700, 1 },  { "impl-gemm", 800, 0 },    { "impl-elementwise", 300, 0 }, { "impl-matrix", 400, 1 }, { "impl-products", 800, 0 }, { "impl-loss", 700, 0 }, { "impl-quant", 350, 0 }, { "impl-pick", 200, 0 },   { "impl-conv", 1200, 0 },
    { "impl-sort", 300, 0 },    { "impl-index", 700, 0 },   { "impl-arrange", 950, 0 },   { "impl-ops", 5000, 1 },    { "impl-pool", 500, 0 },     { "impl-norm", 500, 0 },
    { "impl-attention", 800, 0 }, { "impl-heads", 250, 0 }, { "impl-scan", 500, 0 }, { "impl-window", 800, 0 }, { "impl-resample", 800, 0 }, { "impl-rnn", 700, 0 }, { "impl-search", 1000, 0 },
    { "impl-nn", 2000, 0 },   { "impl-optim", 1600, 0 },   { "impl-data", 800, 0 },     { "impl-io", 1400, 0 },
    { "impl-graph", 3000, 0 },  { "impl-debug", 700, 0 },   { "impl-print", 500, 1 },   { "impl-tape", 400, 1 },
    { "pass-vector", 550, 1 }, { "pass-sets", 1100, 0 }, { "pass-maths", 1200, 1 },  { "pass-map", 400, 1 },     { "pass-reduce", 500, 1 },   { "pass-gemm", 1200, 0 },
    { "pass-conv", 800, 0 },    { "pass-rnn", 200, 0 }, { "pass-attention", 250, 0 }, { "pass-optim", 300, 0 }, { "pass-quant", 250, 0 },     { "pass-convert", 200, 1 }, { "pass-random", 150, 1 },  { "pass-sort", 200, 0 },     { "pass-index", 200, 0 },
    { "changes", 200, 0 },      { "licence", 60, 0 },
};
#define WHOLE_BUDGET 44500
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

/* ---- what it costs to compile: --against ---- */
#if defined(__unix__)
#define FORMULA_ROWS 130           /* of the finished core, of some 600 operations */
typedef struct named { char name[64]; int chapter, row, record; } named;
static named names[8000];
static int n_names, n_rows, n_records;
static named *name_of(const char *s) {
    int i;
    for (i = 0; i < n_names; i++) if (strcmp(names[i].name, s) == 0) return &names[i];
    return NULL;
}
static named *name_add(const char *s) {
    named *q = name_of(s);
    if (!q && n_names < 8000) { q = &names[n_names++]; memset(q, 0, sizeof *q); q->chapter = -1; snprintf(q->name, sizeof q->name, "%s", s); }
    return q;
}
static int letter(int c) { return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
/* A line at the left margin that defines a function gives its name to the chapter; rows of the table and records are noted. */
static void read_name(const char *line, int chapter) {
    char word[64];
    const char *s, *e;
    named *q;
    if (chapter < 0) return;
    if (strcmp(chapters[chapter].tag, "formulas") == 0 && strncmp(line, "TG_F", 4) == 0 && (s = strstr(line, "(tg_")) != NULL) {
        for (e = s + 1; letter(*e); e++) ;
        snprintf(word, sizeof word, "%.*s", (int)(e - s - 1), s + 1);
        if (*e == ',' && (q = name_add(word)) != NULL && !q->row) { q->row = 1; n_rows++; }
        return;
    }
    if (!letter((unsigned char)line[0])) return;
    if (strncmp(line, "static const tg_op tg__", 23) == 0) {
        for (e = s = line + 23; letter(*e); e++) ;
        if (e - s > 3 && strncmp(e - 3, "_op", 3) == 0) {
            snprintf(word, sizeof word, "%.*s", (int)(e - s - 3), s);
            if ((q = name_add(word)) != NULL && !q->record) { q->record = 1; n_records++; }
        }
        return;
    }
    for (s = line; (s = strstr(s, "tg_")) != NULL; s = e) {
        for (e = s; letter(*e); e++) ;
        if ((s > line && letter((unsigned char)s[-1])) || (*e != '(' && !(e[0] == ')' && e[1] == '('))) continue;
        snprintf(word, sizeof word, "%.*s", (int)(e - s), s);
        if (line[strlen(line) - 1] != ';' && (q = name_add(word)) != NULL) q->chapter = chapter;
        return;
    }
}

/* Runs a command with its output thrown away: seconds of user time and the most memory in KB; 0 if it fails. */
static double run(const char *command, long *kb) {
    struct rusage u;
    int status;
    pid_t pid;
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr)) _exit(1);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(1);
    }
    if (pid < 0 || wait4(pid, &status, 0, &u) < 0 || status != 0) return 0;
    *kb = u.ru_maxrss;
    return (double)u.ru_utime.tv_sec + 1e-6 * (double)u.ru_utime.tv_usec;
}
static char unit[64];
static void command_for(char *out, size_t room, const char *flags, const char *path) {
    const char *cc = getenv("CC"), *base = strrchr(path, '/');
    snprintf(out, room, "exec %s -O2 %s -I%.*s -DTENSORGRAD_FILENAME='\"%s\"' -x c %s", cc && *cc ? cc : "gcc", flags, base ? (int)(base - path) : 1, base ? path : ".",
        base ? base + 1 : path, unit);
}
static double now(clockid_t id) {
    struct timespec t;
    return clock_gettime(id, &t) == 0 ? (double)t.tv_sec + 1e-9 * (double)t.tv_nsec : -1;
}

enum { HEADERS = ROOM, OTHERS, BINS };
static double spent[BINS], row_spent, record_spent, kernel_spent;
static int kernels;
/* Where a function's time belongs: `seconds` to parse it, or to compile it (late). */
static void book(const char *function, double seconds, int late) {
    char base[256], *pass;
    named *q;
    size_t n;
    int i, c = -1, kernel;
    snprintf(base, sizeof base, "%s", function);
    if ((pass = strchr(base, '.')) != NULL) *pass = 0;                                   /* .part.0, .cold */
    if (strncmp(base, "tg", 2) != 0) { spent[late ? OTHERS : HEADERS] += seconds; return; }
    kernel = (pass = strstr(base + 4, "__")) != NULL;
    if (kernel) *pass = 0;
    n = strlen(base);
    if (n > 4 && (strcmp(base + n - 4, "_f32") == 0 || strcmp(base + n - 4, "_f64") == 0)) base[n -= 4] = 0;
    if ((q = name_of(base)) != NULL) c = q->chapter;
    if (!q || !q->row) {                                                                 /* tg_relu_v, tg_relu_d0, tg_relu_i, tg_relu_ */
        char row[256];
        named *r;
        snprintf(row, sizeof row, "%s", base);
        if (n > 3 && row[n - 3] == '_' && row[n - 2] == 'd') row[n - 3] = 0;
        else if (n > 2 && row[n - 2] == '_') row[n - 2] = 0;
        else if (n > 1 && row[n - 1] == '_') row[n - 1] = 0;
        if ((r = name_of(row)) != NULL && r->row) q = r;
    }
    if (q && q->row) { row_spent += seconds; return; }
    if (c < 0) for (i = 0; i < n_chapters; i++) {                                        /* stamped by a macro: by the family's name */
        const char *dash = strchr(chapters[i].tag, '-');
        size_t length = dash ? strlen(dash + 1) : 0;
        const char *s = base + (strncmp(base, "tg__", 4) == 0 ? 4 : 3);
        if (dash && strncmp(chapters[i].tag, kernel ? "pass" : "impl", 4) == 0 && strncmp(s, dash + 1, length) == 0 && (s[length] == '_' || !s[length])) c = i;
        if (kernel && strcmp(chapters[i].tag, "pass-vector") == 0 && strncmp(base, "tg__w_", 6) == 0) c = i;
    }
    spent[c < 0 ? OTHERS : c] += seconds;
    if (kernel && strncmp(base, "tg__w_", 6) != 0) { kernel_spent += seconds; kernels += late; }
    for (i = 0; !kernel && i < n_names; i++) {
        const char *s = base + (strncmp(base, "tg__", 4) == 0 ? 4 : 3);
        n = strlen(names[i].name);
        if (names[i].record && strncmp(s, names[i].name, n) == 0 && (!s[n] || s[n] == '_')) { record_spent += seconds; break; }
    }
}
/* gcc -Q writes a function's name when it begins with it, first while it parses and again while it compiles: the CPU clock is read at each. */
static int follow(const char *command, double *rest) {
    static char text[1 << 16], function[256];
    int ends[2], stage = 0, seen = 0;
    double before = 0, at;
    clockid_t id = CLOCK_MONOTONIC;
    size_t n = 0;
    ssize_t got, i;
    pid_t pid;
    *rest = 0;
    if (pipe(ends) != 0) return 0;
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        dup2(ends[1], 2); close(ends[0]); close(ends[1]);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(1);
    }
    close(ends[1]);
    function[0] = 0;
    while ((got = read(ends[0], text, sizeof text)) > 0) {
        if (!seen++) {                                                                   /* the driver's child is the compiler */
            char path[64];
            long child = 0;
            FILE *f;
            snprintf(path, sizeof path, "/proc/%ld/task/%ld/children", (long)pid, (long)pid);
            if ((f = fopen(path, "r")) != NULL) { if (fscanf(f, "%ld", &child) != 1) child = 0; fclose(f); }
            if (!child || clock_getcpuclockid((pid_t)child, &id) != 0) id = CLOCK_MONOTONIC;
            before = now(id);
        }
        at = now(id);
        if (at < 0) at = before;
        for (i = 0; i < got; i++) {
            static char word[256];
            if (!strchr(" \t\r\n", text[i])) { if (n + 1 < sizeof word) word[n++] = text[i]; continue; }
            if (!n) continue;
            word[n] = 0; n = 0;
            if (stage != 1 && function[0] && stage < 3) book(function, at - before, stage == 2); else *rest += at - before;
            before = at;
            if (strstr(word, "Analyzing")) stage = 1;
            if (strstr(word, "Assembling")) stage = 2;                                   /* "{GC 99M}Assembling functions:" */
            if (stage == 2 && strcmp(word, "Time") == 0) stage = 3;
            strcpy(function, strncmp(word, "tg", 2) == 0 || (stage == 0 && letter((unsigned char)word[0])) ? word : "");
        }
    }
    close(ends[0]);
    waitpid(pid, NULL, 0);
    return stage >= 2 && kernels > 0 && n_rows > 0 && n_records > 0;
}
static int against(const char *path, const char *other) {
    static const struct { const char *name, *flags; } builds[] = { { "whole", "" }, { "NATIVE", "-march=native -DTENSORGRAD_NATIVE" }, { "TEACH", "-DTENSORGRAD_TEACH" } };
    enum { ROUNDS = 3 };
    const char *both[2];
    double best[3][2], whole, rest, sum = 0, scale, impl_ms = 0, plan = 0, fixed;
    long most[3][2];
    char command[1024];
    int b, r, k, i, impl_lines = 0;
    FILE *f;
    both[0] = path; both[1] = other;
    snprintf(unit, sizeof unit, "/tmp/map_%ld.c", (long)getpid());
    if ((f = fopen(unit, "w")) == NULL) return 0;
    fprintf(f, "#define TENSORGRAD_IMPLEMENTATION\n#include TENSORGRAD_FILENAME\n");
    fclose(f);
    printf("\nuser seconds and MB to compile, least of %d, by turns   here / %s\n", ROUNDS, other);
    for (b = 0; b < 3; b++) {
        for (r = 0; r < ROUNDS; r++) for (k = 0; k < 2; k++) {
            long kb = 0;
            char flags[256];
            double t;
            snprintf(flags, sizeof flags, "%s -c -o %s.o", builds[b].flags, unit);
            command_for(command, sizeof command, flags, both[k]);
            t = run(command, &kb);
            if (!r || t < best[b][k]) best[b][k] = t;
            most[b][k] = kb;
            if (t <= 0) { printf("FAIL %s\n", command); remove(unit); return 0; }
        }
        printf("  %-8s %6.2f / %6.2f = %.2f    %4ld / %4ld MB    %.2f of the other's whole, %.2f of this one's\n", builds[b].name, best[b][0], best[b][1], best[b][0] / best[b][1],
            most[b][0] / 1024, most[b][1] / 1024, best[b][0] / best[0][1], best[b][0] / best[0][0]);
    }
    whole = best[0][0];
    {
        char flags[128];
        snprintf(flags, sizeof flags, "-Q -S -o %s.o", unit);
        command_for(command, sizeof command, flags, path);
        k = follow(command, &rest);
        snprintf(command, sizeof command, "%s.o", unit);
        remove(command);
        remove(unit);
    }
    if (!k) { printf("  by chapter: needs gcc, whose -Q names functions as it goes\n"); return 1; }
    /* What belongs to no function (inlining, passes over everything) is shared out as the rest is, and all is scaled to the user seconds above. */
    for (i = 0; i < BINS; i++) sum += spent[i];
    sum += row_spent;
    scale = 1000 * whole / sum;
    fixed = spent[HEADERS] / (sum + rest) * 1000 * whole;
    scale *= (1000 * whole - fixed) / (1000 * whole - spent[HEADERS] * scale);
    printf("\n%8s %8s %9s  chapter   (gcc -Q: each function's share of the %.2f s; %.0f%% belongs to no function and is shared out alike)\n", "ms", "lines", "ms/line", whole, 100 * rest / (sum + rest));
    for (i = 0; i < n_chapters; i++) {
        const chapter *c = &chapters[i];
        int lines = c->last - c->first + 1, budget = lines;
        double ms = spent[i] * scale;
        for (r = 0; r < (int)(sizeof budgets / sizeof budgets[0]); r++) if (strcmp(budgets[r].tag, c->tag) == 0 && budgets[r].lines > budget) budget = budgets[r].lines;
        if (ms < 0.5) continue;
        printf("%8.0f %8d %9.3f  >>%s\n", ms, lines, ms / lines, c->tag);
        plan += ms / lines * budget;
        if (strncmp(c->tag, "impl-", 5) == 0) { impl_ms += ms; impl_lines += lines; }
    }
    for (r = 0; r < (int)(sizeof budgets / sizeof budgets[0]); r++)                       /* chapters to come, at the price of their kind */
        if (!find(chapters, n_chapters, budgets[r].tag)) {
            if (strncmp(budgets[r].tag, "impl-", 5) == 0) plan += budgets[r].lines * impl_ms / impl_lines;
            else if (strncmp(budgets[r].tag, "pass-", 5) == 0) plan += kernel_spent * scale / kernels * 12;
        }
    plan += fixed + spent[OTHERS] * scale + row_spent * scale / n_rows * FORMULA_ROWS;
    printf("%8.0f %8s %9s  the compiler's own headers\n%8.0f %8s %9s  others\n", fixed, "", "", spent[OTHERS] * scale, "", "");
    printf("  a line of plain C     %7.2f ms   (%d lines of PART II)\n", impl_ms / impl_lines, impl_lines);
    printf("  a row of the table    %7.2f ms   (%d rows; values and derivatives, both types, every instruction set)\n", row_spent * scale / n_rows, n_rows);
    printf("  a record              %7.2f ms   (%d records; its check, forward, backward and call)\n", record_spent * scale / n_records, n_records);
    printf("  a kernel              %7.2f ms   (%d functions of PART III beside the rows, each counted once per type and instruction set)\n", kernel_spent * scale / kernels, kernels);
    printf("  the finished core     %7.1f s    = %.2f of the other's whole. Every chapter grows to its budget at its own price a line; chapters to come cost as much a line as\n"
           "                                   PART II does, or 12 kernels each in PART III; %d rows\n", plan / 1000, plan / 1000 / best[0][1], FORMULA_ROWS);
    return 1;
}
#endif

int main(int argc, char **argv) {
    const char *other = argc > 2 && strcmp(argv[1], "--against") == 0 ? argv[2] : NULL, *path;
    static char line[1 << 16], before[1 << 16];
    int number = 0, in_manual = 0, manual_done = 0, in_opening = 0, i, j, core = 0;
    FILE *f;
    if (other) { argv += 2; argc -= 2; }
    path = argc > 1 ? argv[1] : "tensorgrad.h";
    f = fopen(path, "rb");
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
#if defined(__unix__)
        if (other && !in_manual) read_name(line, n_chapters - 1);
#endif
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
#if defined(__unix__)
    if (other) check(against(path, other), "%s cannot be compiled", path, 0);
#endif
    printf("map: %d passed, %d failed, 0 skipped\n", passed, failed);
    return failed != 0;
}
