/* Writes the list of place macros in tensorgrad.h (the chapter >>places) from the prototypes and the formula rows of PART I.
     cc tools/places.c -o places
     ./places tensorgrad.h              writes the list in place, if it is out of date
     ./places --check tensorgrad.h      says which lines are out of date; exits with 1 if any is
     ./places --without tensorgrad.h    the functions that have no place, from the list below
     ./places --outputs tensorgrad.h    the functions that write through a pointer, one a line with those parameters: tests/test_outlist.sh asks for a row for each
     ./places --operands tensorgrad.h   the same of those that take tensors, without the formula rows

   Every function that can fail notes where it was called, in the context of each operand that is there:
     tg_tensor *x                  TG__AT(x)
     tg_ctx *tg                    TG__AT_CTX(tg)
     tg_dict *d                    TG__AT_DICT(d), and TG__AT_CONST_DICT(d) where it is const
     tg_module *m                  TG__AT_MODULE(m)
     tg_optim *opt                 TG__AT_OPTIM(opt)
     tg_data *data                 TG__AT_DATA(data)
     tg_tensor *const *list, int n     a macro would have to read n twice, so an inline function stands between: TG__PLACED(cat, ...)
     const tg_function_call *call      the same, so that a literal with commas may stand there
   From the first other pointer to const on (a shape, data) the parameters are `...`, because TG_SHAPE(2, 3) and literals have commas; an `int` before a shape belongs to it.

   A prototype is `TG_API type *tg_name(type *a, ...);`, on any number of lines; a row is one line that begins with TG_F or TG_W; comments may stand anywhere.                                       */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ctype.h>

#define BEGIN "/* ---- the list: written by tools/places.c ---- */\n"
#define END   "/* ---- end of the list ---- */\n"

/* They compute nothing and cannot fail, or only ask, open, close and switch: no place. */
static const char *const without[] = {
    "tg_close", "tg_isa_used", "tg_isa_name", "tg_failed", "tg_error", "tg_error_number", "tg_error_text", "tg_clear", "tg_traceback", "tg_say", "tg_threads_used", "tg_seconds",
    "tg_seed", "tg_stream", "tg_random_get", "tg_random_set", "tg_begin", "tg_end", "tg_keep", "tg_drop", "tg_memory", "tg_trim", "tg_path_begin", "tg_path_end", "tg_is_contiguous", "tg_has_grad",
    "tg_grad_mode", "tg_anomaly", "tg_tape", "tg_tape_text", "tg_tape_dot", "tg_dict_free", "tg_dict_get", "tg_dict_count", "tg_dict_name", "tg_dict_at", "tg_dict_meta",
    "tg_module_free", "tg_module_done", "tg_module_enter", "tg_module_leave", "tg_train", "tg_infer_begin", "tg_infer_end", "tg_update_bn_end", "tg_keep_packed", "tg_module_at", "tg_module_tensor_at", "tg_parameters", "tg_parameter_count",
    "tg_module_format", "tg_summary", "tg_module_parts", "tg_module_part_of", "tg_module_tensors", "tg_module_tensor_of", "tg_dict_meta_count", "tg_dict_meta_key", "tg_dict_raw_type", "tg_dict_raw_shape", "tg_optim_free", "tg_data_free", NULL
};

static char met[sizeof without / sizeof *without];          /* their prototypes were found */

#define MAX_PARAMS 32
typedef struct param { char type[96], name[64]; } param;
typedef struct text { char *at; size_t size, room; } text;

static int problems;
static void problem(const char *what, const char *where) { fprintf(stderr, "places: %s: %.120s\n", what, where); problems++; }

static void put(text *t, const char *s) {
    size_t n = strlen(s);
    if (t->size + n + 1 > t->room) {
        t->room = 2 * (t->size + n + 1);
        t->at = (char *)realloc(t->at, t->room);
        if (!t->at) { fprintf(stderr, "places: out of memory\n"); exit(2); }
    }
    memcpy(t->at + t->size, s, n + 1);
    t->size += n;
}

static char *read_all(const char *path) {
    FILE *f = fopen(path, "rb");
    long size;
    char *s;
    if (!f) { fprintf(stderr, "places: cannot read %s\n", path); exit(2); }
    fseek(f, 0, SEEK_END); size = ftell(f); rewind(f);
    s = (char *)malloc((size_t)size + 1);
    if (!s || fread(s, 1, (size_t)size, f) != (size_t)size) { fprintf(stderr, "places: cannot read %s\n", path); exit(2); }
    s[size] = 0;
    fclose(f);
    return s;
}

/* Comments become blanks; texts stay. */
static void blank_comments(char *s) {
    while (*s) {
        if (*s == '"') { for (s++; *s && *s != '"'; s++) if (*s == '\\' && s[1]) s++; if (*s) s++; continue; }
        if (s[0] == '/' && s[1] == '*') { while (*s && !(s[0] == '*' && s[1] == '/')) { if (*s != '\n') *s = ' '; s++; } if (*s) { s[0] = s[1] = ' '; s += 2; } continue; }
        s++;
    }
}

static int is_word(char c) { return isalnum((unsigned char)c) || c == '_'; }
/* One blank between words, none beside other characters but before and after a star that follows a word. */
static void tidy(char *out, size_t room, const char *from, const char *to) {
    size_t n = 0;
    for (; from < to; from++) {
        if (isspace((unsigned char)*from)) { if (n && out[n - 1] != ' ') { if (n + 1 < room) out[n++] = ' '; } continue; }
        if (n + 1 < room) out[n++] = *from;
    }
    while (n && out[n - 1] == ' ') n--;
    out[n] = 0;
}
/* `type *name`, apart; a pointer to a function keeps its whole text as its type */
static void split_param(param *p, const char *from, const char *to) {
    char all[160];
    size_t n, e;
    tidy(all, sizeof all, from, to);
    n = strlen(all);
    e = n;
    while (n && is_word(all[n - 1])) n--;
    memcpy(p->name, all + n, e - n); p->name[e - n] = 0;
    while (n && all[n - 1] == ' ') n--;
    memcpy(p->type, all, n); p->type[n] = 0;
}
static int split_params(param *p, const char *from, const char *to) {
    int n = 0, depth = 0;
    const char *s, *begin = from;
    for (s = from; s <= to; s++) {
        if (s == to || (*s == ',' && !depth)) {
            if (n == MAX_PARAMS) { problem("too many parameters", from); return n; }
            split_param(&p[n++], begin, s);
            begin = s + 1;
        } else if (*s == '(') depth++;
        else if (*s == ')') depth--;
    }
    return n;
}

static int is(const param *p, const char *type) { return strcmp(p->type, type) == 0; }
static int is_list(const param *p, int n, int i) { return is(&p[i], "tg_tensor *const *") && i + 1 < n && is(&p[i + 1], "int"); }
static int is_call(const param *p) { return is(p, "const tg_function_call *"); }
static const char *mark(const param *p) {
    return is(p, "tg_tensor *") ? "TG__AT" : is(p, "tg_ctx *") ? "TG__AT_CTX" : is(p, "tg_module *") ? "TG__AT_MODULE" : is(p, "tg_optim *") ? "TG__AT_OPTIM" : is(p, "tg_data *") ? "TG__AT_DATA" : is(p, "tg_dict *") ? "TG__AT_DICT" : is(p, "const tg_dict *") ? "TG__AT_CONST_DICT" : NULL;
}
static int is_data(const param *p) {       /* a literal with commas may stand there */
    size_t n = strlen(p->type);
    return n && p->type[n - 1] == '*' && !mark(p) && (strncmp(p->type, "const ", 6) == 0 || strstr(p->type, "*const *")) && strcmp(p->type, "const char *") != 0;
}

/* The lines of one function, or none. */
static void list_function(text *out, const char *ret, const char *name, const param *p, int n) {
    int i, marked = 0, inline_form = 0, rest = n;
    for (i = 0; without[i]; i++) if (strcmp(without[i], name) == 0) { met[i] = 1; return; }
    for (i = 0; i < n; i++) {
        if (is_list(p, n, i) || is_call(&p[i])) inline_form = 1;
        if (mark(&p[i])) marked = 1;
    }
    if (!marked && !inline_form) return;
    if (inline_form) {
        put(out, "static inline "); put(out, ret); if (ret[strlen(ret) - 1] != '*') put(out, " ");
        put(out, "tg__"); put(out, name + 3); put(out, "_at(const char *file, int line");
        for (i = 0; i < n; i++) { put(out, ", "); put(out, p[i].type); if (p[i].type[strlen(p[i].type) - 1] != '*') put(out, " "); put(out, p[i].name); }
        put(out, ") {\n    "); if (strcmp(ret, "void") != 0) put(out, "return "); put(out, name); put(out, "(");          /* two lines: gcc takes space for its places by the widest line */
        for (i = 0; i < n; i++) {
            if (i) put(out, ", ");
            if (is_list(p, n, i)) { put(out, "tg__at_list("); put(out, p[i].name); put(out, ", "); put(out, p[i + 1].name); put(out, ", file, line)"); }
            else if (is_call(&p[i])) { put(out, "tg__at_call("); put(out, p[i].name); put(out, ", file, line)"); }
            else if (mark(&p[i])) {
                const char *m = mark(&p[i]);
                put(out, strcmp(m, "TG__AT") == 0 ? "tg__at(" : strcmp(m, "TG__AT_CTX") == 0 ? "tg__at_ctx(" : strcmp(m, "TG__AT_DICT") == 0 ? "tg__at_dict(" : strcmp(m, "TG__AT_MODULE") == 0 ? "tg__at_module(" : strcmp(m, "TG__AT_OPTIM") == 0 ? "tg__at_optim(" : "tg__at_const_dict(");
                put(out, p[i].name); put(out, ", file, line)");
            } else put(out, p[i].name);
        }
        put(out, "); }\n#define "); put(out, name); put(out, "(...) TG__PLACED("); put(out, name + 3); put(out, ", __VA_ARGS__)\n");
        return;
    }
    for (i = n - 1; i > 0; i--) if (is_data(&p[i])) rest = is(&p[i - 1], "int") && i > 1 ? i - 1 : i;
    put(out, "#define "); put(out, name); put(out, "(");
    for (i = 0; i < rest; i++) { if (i) put(out, ", "); put(out, p[i].name); }
    if (rest < n) put(out, ", ...");
    put(out, ") "); put(out, name); put(out, "(");
    for (i = 0; i < rest; i++) {
        if (i) put(out, ", ");
        if (mark(&p[i])) { put(out, mark(&p[i])); put(out, "("); put(out, p[i].name); put(out, ")"); } else put(out, p[i].name);
    }
    put(out, rest < n ? ", __VA_ARGS__)\n" : ")\n");
}

/* A row: F2P(tg_name, N1(alpha), ...), for its function, the one in place, and those with a number. */
static void list_row(text *out, const char *row) {
    int operands = row[1] - '0', numbers = row[2] == 'P', n = 0, i;
    const char *s = strchr(row, '(') + 1, *e = s;
    char name[64], full[80];
    param p[8];
    while (is_word(*e)) e++;
    if (operands < 1 || operands > 3 || e - s > 60) { problem("a row that is not understood", row); return; }
    memcpy(name, s, (size_t)(e - s)); name[e - s] = 0;
    for (i = 0; i < operands; i++, n++) { strcpy(p[n].type, "tg_tensor *"); p[n].name[0] = operands == 1 ? 'x' : (char)('a' + i); p[n].name[1] = 0; }
    if (numbers) {
        while (*e && *e != 'N') e++;
        if (!*e || e[2] != '(') { problem("numbers are N1(name) or N2(name, name)", row); return; }
        for (e += 3; *e && *e != ')'; n++) {
            s = e;
            while (*e && *e != ',' && *e != ')') e++;
            tidy(p[n].name, sizeof p[n].name, s, e);
            strcpy(p[n].type, "double");
            if (*e == ',') e++;
        }
    }
    list_function(out, "tg_tensor *", name, p, n);
    sprintf(full, "%s_", name);
    list_function(out, "tg_tensor *", full, p, n);
    if (operands == 2 && !numbers) {
        strcpy(p[1].type, "double"); strcpy(p[1].name, "number");
        sprintf(full, "%s_scalar", name); list_function(out, "tg_tensor *", full, p, 2);
        sprintf(full, "%s_scalar_", name); list_function(out, "tg_tensor *", full, p, 2);
    }
}

static int begins(const char *s, const char *word) { return strncmp(s, word, strlen(word)) == 0; }

/* Results through pointers: tensors, numbers, texts. Data that a caller reads into a buffer of its own is none. */
static int is_output(const param *p) {
    static const char *const types[] = { "tg_tensor **", "const int64_t **", "uint64_t *", "int64_t *", "double *", "bool *", "int *", "char *", "const char **", "tg_dict **", NULL };
    int i;
    for (i = 0; types[i]; i++) if (is(p, types[i])) return 1;
    return 0;
}
static int is_operand(const param *p) { return is(p, "tg_tensor *") || is(p, "const tg_tensor *") || is(p, "tg_tensor *const *") || is_call(p); }
static void list_wanted(int (*wanted)(const param *), const char *name, const param *p, int n) {
    int i, any = 0;
    if (wanted == is_output && begins(name, "tg_read_")) return;
    for (i = 0; i < n; i++) if (wanted(&p[i])) { if (!any++) printf("%s", name); printf(" %s", p[i].name); }
    if (any) printf("\n");
}

int main(int argc, char **argv) {
    const char *mode = argc == 3 ? argv[1] : "", *path = argv[argc - 1];
    int i, check = strcmp(mode, "--check") == 0, functions = 0, rows = 0;
    int (*wanted)(const param *) = strcmp(mode, "--outputs") == 0 ? is_output : strcmp(mode, "--operands") == 0 ? is_operand : NULL;
    char *file, *part, *s, *list, *end;
    text out = { NULL, 0, 0 };
    if (strcmp(mode, "--without") == 0) {
        for (i = 0; without[i]; i++) printf("%s\n", without[i]);
        return 0;
    }
    if (argc < 2 || argc > 3 || (argc == 3 && !check && !wanted)) { fprintf(stderr, "usage: places [--check | --without | --outputs | --operands] tensorgrad.h\n"); return 2; }
    file = read_all(path);
    list = strstr(file, BEGIN);
    end = list ? strstr(list, END) : NULL;
    if (!end) { fprintf(stderr, "places: %s has no list between the two marks\n", path); return 2; }
    part = (char *)malloc((size_t)(list - file) + 1);
    if (!part) return 2;
    memcpy(part, file, (size_t)(list - file)); part[list - file] = 0;
    blank_comments(part);

    put(&out, BEGIN "/* formula rows */\n");
    for (s = part; *s; s = strchr(s, '\n') ? strchr(s, '\n') + 1 : s + strlen(s)) {
        if (!begins(s, "TG_F") && !begins(s, "TG_W")) continue;
        if (!wanted) list_row(&out, s + 3);
        rows++;
    }
    put(&out, "/* everything else */\n");
    for (s = part; *s; s = strchr(s, '\n') ? strchr(s, '\n') + 1 : s + strlen(s)) {
        if (begins(s, "typedef struct tg_") && wanted) {                      /* an option struct: its fields are the parameters of ..._from */
            char *open = strchr(s, '{'), *close = strchr(s, '}'), *name = s + strlen("typedef struct "), *f;
            param p[MAX_PARAMS];
            char full[80];
            int n = 0;
            if (!open || !close || !strstr(name, "_args") || strstr(name, "_args") > open) continue;
            sprintf(full, "%.*sfrom", (int)(strstr(name, "_args") + 1 - name), name);
            for (f = open + 1; f < close && n < MAX_PARAMS; f++) {
                char *stop = strchr(f, ';');
                char *last = stop && strstr(f, " TG_EMPTY") && strstr(f, " TG_EMPTY") < stop ? strstr(f, " TG_EMPTY") : stop;
                if (!stop || stop > close) break;
                split_param(&p[n++], f, last);
                f = stop;
            }
            list_wanted(wanted, full, p, n);
        }
        if (begins(s, "TG_API ")) {
            char *open = strchr(s, '('), *close = strchr(s, ';'), *name, ret[96], full[80];
            param p[MAX_PARAMS];
            int n;
            if (!open || !close) { problem("a prototype without an end", s); break; }
            for (name = open; is_word(name[-1]); name--) { }
            tidy(ret, sizeof ret, s + 7, name);
            while (close > open && *close != ')') close--;
            if (open - name > 70 || !begins(name, "tg_")) { problem("a prototype that is not understood", s); continue; }
            memcpy(full, name, (size_t)(open - name)); full[open - name] = 0;
            n = split_params(p, open + 1, close);
            functions++;
            if (wanted) list_wanted(wanted, full, p, n); else list_function(&out, ret, full, p, n);
        }
    }
    put(&out, END);
    end += strlen(END);
    if (functions < 50 || rows < 20) { fprintf(stderr, "places: only %d prototypes and %d rows were found in %s\n", functions, rows, path); return 2; }
    for (i = 0; without[i] && !wanted; i++) if (!met[i]) problem("no such function is declared; take it from the list of those without a place", without[i]);
    if (problems) return 2;
    if (wanted) return 0;
    if ((size_t)(end - list) == out.size && memcmp(list, out.at, out.size) == 0) {
        if (!check) printf("places: %s is up to date\n", path);
        return 0;
    }
    if (check) {                                                                /* the lines of one that the other has not */
        int side;
        for (side = 0; side < 2; side++) {
            char *a = side ? out.at : list, *b = side ? list : out.at, *a_end = side ? out.at + out.size : end, save = *end, *line, *next;
            *end = 0;
            for (line = a; line < a_end; line = next) {
                char copy[2048];
                size_t n;
                next = strchr(line, '\n') ? strchr(line, '\n') + 1 : a_end;
                n = (size_t)(next - line);
                if (n >= sizeof copy) continue;
                memcpy(copy, line, n); copy[n] = 0;
                if (!strstr(b, copy)) printf("%c %s", side ? '+' : '-', copy);
            }
            *end = save;
        }
        printf("places: the list in %s is out of date; run places %s\n", path, path);
        return 1;
    }
    {
        FILE *f = fopen(path, "wb");
        size_t before = (size_t)(list - file), after = strlen(end);
        if (!f || fwrite(file, 1, before, f) != before || fwrite(out.at, 1, out.size, f) != out.size || fwrite(end, 1, after, f) != after || fclose(f) != 0) {
            fprintf(stderr, "places: cannot write %s\n", path);
            return 2;
        }
    }
    printf("places: wrote the list in %s\n", path);
    return 0;
}
