/* Writes the text that NVRTC compiles, at the end of tensorgrad_cuda.h: the words and the maths of tensorgrad.h and the kernels of tensorgrad_cuda.h, line by line.
     cc tools/cuda_text.c -o cuda_text
     ./cuda_text tensorgrad.h tensorgrad_cuda.h            writes it in place, if it is out of date
     ./cuda_text --check tensorgrad.h tensorgrad_cuda.h    says whether it is; exits with 1 if so
     ./cuda_text --words tensorgrad.h tensorgrad_cuda.h    prints the first part as it is, --kernels the second: for a host's compiler, which reads the second for each type
   Comments and what is only space go; #line tells where a run of lines stands; lines of
   tensorgrad.h are counted from where their piece begins, so that the text is out of date only where a piece was changed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEGIN "/* ---- the text: written by tools/cuda_text.c ---- */\n"
#define END   "/* ---- end of the text ---- */\n"

/* A piece: of which file, from the line that begins with `from` to before the line that begins with `to`, of which the last `less` lines are left out. */
typedef struct piece { int file; const char *from, *to; int less; } piece;
static const piece words[] = {
    { 1, "/* {text: launch} */", "/* {text ends} */", 0 },
    { 0, "/* A set below is a list of lines", "#ifndef TG__VECTOR_ONCE", 0 },
    { 0, "typedef union tg__pun32", "/* sqrt is an instruction", 0 },
    { 0, "TG__PRIVATE int tg__split64", "/* hi:lo moved right", 0 },
    { 0, "/* ---- one float ---- */", "   >>pass-sets", 3 },
    { 0, "#define TG__ADD(a, b)", "#define TG__FT(name) TG__FN(name)", 0 },
    { 0, "/* Words made of words, the same for both types", "/* The words of the formulas, and", 0 },
    { 0, "TG__PRIVATE int64_t tg__int_of", "TG__PRIVATE double tg__get_f64", 0 },
    { 0, "enum { TG_RNN_TANH", "enum { TG_ATTENTION_RESULT", 0 },
    { 0, "enum { TG_STEP_SGD", "#define TG_ABSENT", 0 },
    { 0, "typedef struct tg__rnn_run {", "#endif", 0 },
    { 0, "typedef struct tg__optim_run {", "#endif", 0 },
    { 0, "#define TG__WRAP(u)", "/* A kernel's two tables", 0 },
    { 1, "/* {text: arguments} */", "/* {text ends} */", 0 }
};
static const piece kernels[] = {
    { 1, "/* {text: typed} */", "/* {text: blocks of tensorgrad.h} */", 0 },
    { 0, "typedef enum tg_dtype {", "typedef enum tg_device", 0 },
    { 0, "#define TG__BLOCK ", "TG__INLINE bool tg__is_block", 0 },
    { 0, "/* ---- quantised blocks: device", "/* ---- runs of blocks", 0 },
    { 1, "/* {text: blocks of tensorgrad.h} */", "/* {text: maps of tensorgrad.h} */", 0 },
    { -1, "#if TG__CU_TYPE != 0\n", NULL, 0 },
    { 0, "#define NEG(v) TG__W(neg)(v)", "#define TG__MAP_OPERAND", 0 },
    { -1, "#endif\n", NULL, 0 },
    { 1, "/* {text: maps of tensorgrad.h} */", "/* {text: places of tensorgrad.h} */", 0 },
    { 0, "typedef enum tg_grid_mode", "typedef struct tg_grid_sample_args", 0 },
    { 0, "TG__PRIVATE int64_t tg__imin", "/* n >= 0, d > 0: how many", 0 },
    { 0, "TG__PRIVATE bool tg__is_nan", "TG__PRIVATE double tg__inf", 0 },
    { 0, "TG__PRIVATE double tg__floor", "/* scale 0: as the sizes", 0 },
    { 0, "TG__PRIVATE uint8_t tg__resize_byte", "TG__PRIVATE const uint8_t *tg__resize_bytes_slot", 0 },
    { 0, "/* ---- places of a grid", "/* ---- of each place", 0 },
    { 0, "/* ---- places of boxes", "/* ---- of each box", 0 },
    { 1, "/* {text: places of tensorgrad.h} */", "/* {text: cells of tensorgrad.h} */", 0 },
    { 0, "#define TG__RNN_GET(p, at)", "#undef TG__RNN_GET", 0 },
    { 1, "/* {text: cells of tensorgrad.h} */", "/* {text: rules of tensorgrad.h} */", 0 },
    { 0, "#define TG__OPTIM_NUMBER(i)", "/* Any number of elements: what does not fill", 0 },
    { 1, "/* {text: rules of tensorgrad.h} */", "/* {text ends} */", 0 }
};

typedef struct text { char *at; size_t size, room; } text;
static void put_n(text *t, const char *s, size_t n) {
    if (t->size + n + 1 > t->room) {
        t->room = 2 * (t->size + n + 1);
        t->at = (char *)realloc(t->at, t->room);
        if (!t->at) { fprintf(stderr, "cuda_text: out of memory\n"); exit(2); }
    }
    memcpy(t->at + t->size, s, n);
    t->size += n;
    t->at[t->size] = 0;
}
static void put(text *t, const char *s) { put_n(t, s, strlen(s)); }
static char *read_all(const char *path) {
    FILE *f = fopen(path, "rb");
    long size;
    char *p;
    if (!f || fseek(f, 0, SEEK_END) != 0 || (size = ftell(f)) < 0 || fseek(f, 0, SEEK_SET) != 0 || !(p = (char *)malloc((size_t)size + 1)) ||
        fread(p, 1, (size_t)size, f) != (size_t)size) { fprintf(stderr, "cuda_text: cannot read %s\n", path); exit(2); }
    fclose(f);
    p[size] = 0;
    return p;
}
/* The line that begins with `start`, or NULL. */
static char *line_of(char *s, const char *start) {
    const size_t n = strlen(start);
    while (s && strncmp(s, start, n) != 0) { s = strchr(s, '\n'); if (s) s++; }
    return s;
}
static int line_number(const char *file, const char *at) {
    int n = 1;
    for (; file < at; file++) n += *file == '\n';
    return n;
}
static const char *name_of(const char *path) { const char *s = strrchr(path, '/'); return s ? s + 1 : path; }

/* Lines without comments and space around them. `expected`: the number that the compiler counts; a gap is told by #line, but not within a macro. */
static void strip(text *out, const char *s, const char *end, int number, const char *name) {
    int expected = 0, comment = 0, going_on = 0;
    while (s < end) {
        char line[4096];
        size_t n = 0;
        int quote = 0;
        for (; s < end && *s != '\n'; s++) {
            if (comment) { if (s[0] == '*' && s[1] == '/') { comment = 0; s++; } continue; }
            if (!quote && s[0] == '/' && s[1] == '*') { comment = 1; s++; continue; }
            if (*s == '"') quote = !quote;
            if (n == 0 && (*s == ' ' || *s == '\r')) continue;
            if (n + 8 > sizeof line) { fprintf(stderr, "cuda_text: line %d of %s is too long\n", number, name); exit(2); }
            line[n++] = *s;
        }
        s++;
        while (n && (line[n - 1] == ' ' || line[n - 1] == '\r')) n--;
        line[n] = 0;
        if (n && strcmp(line, "#include <stdint.h>") != 0) {
            if (expected != number && !going_on) {
                char place[300];
                sprintf(place, "#line %d \"%.200s\"\n", number, name);
                put(out, place);
            }
            if (strncmp(line, "static const ", 13) == 0) { put(out, "TG__CU_TABLE const "); put(out, line + 13); }      /* a device's memory */
            else put(out, line);
            put(out, "\n");
            expected = number + 1;
            going_on = line[n - 1] == '\\';
        } else if (n) { put(out, line); put(out, "\n"); expected = number + 1; }
        number++;
    }
}
static void gather(text *out, const piece *p, size_t n, char *const *file, char *const *path) {
    size_t i;
    for (i = 0; i < n; i++) {
        char *from, *to;
        int k;
        if (p[i].file < 0) { put(out, p[i].from); continue; }
        from = line_of(file[p[i].file], p[i].from);
        to = from ? line_of(strchr(from, '\n') + 1, p[i].to) : NULL;
        if (!to) { fprintf(stderr, "cuda_text: %s has no lines '%s' to '%s'\n", path[p[i].file], p[i].from, p[i].to); exit(2); }
        for (k = 0; k < p[i].less; k++) { to--; while (to > from && to[-1] != '\n') to--; }
        if (p[i].file == 0) {                                            /* lines are counted from the piece on: what changes elsewhere in the file changes nothing here */
            char name[200];
            sprintf(name, "tensorgrad.h, from the line '%.120s' on", p[i].from);
            strip(out, from, to, 1, name);
        } else strip(out, from, to, line_number(file[p[i].file], from), name_of(path[p[i].file]));
    }
}
static void literals(text *out, const char *name, const text *t) {
    const char *s = t->at;
    put(out, "static const char *const "); put(out, name); put(out, "[] = {\n");
    while (*s) {
        put(out, "\"");
        for (; *s != '\n'; s++) { if (*s == '"' || *s == '\\') put(out, "\\"); put_n(out, s, 1); }
        put(out, "\\n\",\n");
        s++;
    }
    put(out, "NULL };\n");
}

int main(int argc, char **argv) {
    const char *what = argc > 1 && argv[1][0] == '-' ? argv[1] : "";
    char **path = argv + (*what ? 2 : 1), *file[2], *begin, *end;
    text first = { NULL, 0, 0 }, second = { NULL, 0, 0 }, all = { NULL, 0, 0 };
    int i;
    if (argc != (*what ? 4 : 3)) { fprintf(stderr, "usage: cuda_text [--check | --words | --kernels] tensorgrad.h tensorgrad_cuda.h\n"); return 2; }
    for (i = 0; i < 2; i++) file[i] = read_all(path[i]);
    gather(&first, words, sizeof words / sizeof *words, file, path);
    gather(&second, kernels, sizeof kernels / sizeof *kernels, file, path);
    if (strcmp(what, "--words") == 0) { fputs(first.at, stdout); return 0; }
    if (strcmp(what, "--kernels") == 0) { fputs(second.at, stdout); return 0; }
    begin = line_of(file[1], BEGIN); end = line_of(file[1], END);
    if (!begin || !end || end < begin) { fprintf(stderr, "cuda_text: %s has no place for the text\n", path[1]); return 2; }
    begin += strlen(BEGIN);
    put_n(&all, file[1], (size_t)(begin - file[1]));
    literals(&all, "tg__cu_words", &first);
    literals(&all, "tg__cu_kernels", &second);
    put(&all, end);
    if (strcmp(all.at, file[1]) == 0) return 0;
    if (strcmp(what, "--check") == 0) { fprintf(stderr, "%s: the text is out of date; tools/cuda_text.c writes it\n", path[1]); return 1; }
    {
        FILE *f = fopen(path[1], "wb");
        if (!f || fwrite(all.at, 1, all.size, f) != all.size || fclose(f) != 0) { fprintf(stderr, "cuda_text: cannot write %s\n", path[1]); return 2; }
    }
    return 0;
}
