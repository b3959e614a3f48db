/* Prints what each operation can, found out by running it: on which dtypes it works, how often it is differentiated, what a device is asked for it, and what torch calls it.
     cc tools/table.c -o table -lm -lpthread
     ./table tensorgrad.h               a line for each function, as a table in Markdown
     ./table --short tensorgrad.h       the same, functions with equal lines in one: README has it, and tests/test_readme.sh holds it against this

   The functions and their groups are those that the header's chapters >>formulas and >>ops declare, in that order; tests/calls.h has a row that calls each; tests/torch_names.h has torch's names.
   A function without a row, a gradient that fails and a function that a device cannot have are told on stderr, and the exit status is 1. */
#include "../tests/test.h"
#include "../tests/calls.h"
#include "../tests/torch_names.h"
#include <ctype.h>

enum { ROOM = 700, DEVICE = 2, WIDE = 256, OPERANDS = 20 };
typedef struct op {
    char name[48];
    int group;
    bool takes[TG_DTYPES];
    tg_dtype gives[TG_DTYPES];
    char orders[OPERANDS];                    /* of each operand, see order_of; of the row that has the most operands */
    int row_operands;
    char device[WIDE], line[4 * WIDE];
} op;
static op ops[ROOM];
static char groups[80][96], family_names[TG_FAMILIES][32];
static int n_ops, n_groups, problems;
static void problem(const char *name, const char *what, const char *more) { fprintf(stderr, "table: %s: %s%s\n", name, what, more); problems++; }
static bool begins(const char *s, const char *word) { return strncmp(s, word, strlen(word)) == 0; }

/* ---- the header's text: functions, groups, families ---- */
static char *read_text(const char *path) {
    FILE *f = fopen(path, "rb");
    long size = 0;
    char *s;
    if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0) { fprintf(stderr, "table: cannot read %s\n", path); exit(2); }
    rewind(f);
    s = (char *)malloc((size_t)size + 1);
    if (!s || fread(s, 1, (size_t)size, f) != (size_t)size) { fprintf(stderr, "table: cannot read %s\n", path); exit(2); }
    s[size] = 0;
    fclose(f);
    return s;
}
static size_t word_at(const char *s, char *out, size_t room) {
    size_t n = 0;
    while ((isalnum((unsigned char)s[n]) || s[n] == '_') && n + 1 < room) n++;
    memcpy(out, s, n); out[n] = 0;
    return n;
}
static void add_group(const char *from, size_t n) {
    if (n_groups == 80) { fprintf(stderr, "table: too many groups\n"); exit(2); }
    if (n > 95) n = 95;
    memcpy(groups[n_groups], from, n); groups[n_groups][n] = 0;
    groups[n_groups][0] = (char)tolower((unsigned char)groups[n_groups][0]);
    n_groups++;
}
static void add_op(const char *name) {
    size_t n = strlen(name);
    if (n_ops == ROOM) { fprintf(stderr, "table: too many functions\n"); exit(2); }
    memset(&ops[n_ops], 0, sizeof ops[0]);
    strcpy(ops[n_ops].name, name);
    if (n > 5 && strcmp(name + n - 5, "_from") == 0) ops[n_ops].name[n - 5] = 0;
    ops[n_ops++].group = n_groups - 1;
}
static void read_functions(const char *text) {
    const char *s, *next;
    char name[64];
    bool in_ops = false;
    int f = 0;
    add_group("elementwise", 11);
    for (s = text; *s; s = next) {
        next = strchr(s, '\n') ? strchr(s, '\n') + 1 : s + strlen(s);
        if (begins(s, "#undef TG_F1") && n_ops) break;
        if (strlen(s) > 5 && (begins(s, "TG_F") || begins(s, "TG_W")) && isdigit((unsigned char)s[4])) { word_at(strchr(s, '(') + 4, name, sizeof name); add_op(name); }
    }
    for (; *s; s = next) {
        next = strchr(s, '\n') ? strchr(s, '\n') + 1 : s + strlen(s);
        if (begins(s, "   >>ops ")) in_ops = true;
        else if (in_ops && begins(s, "/* ---- operations of your own")) break;
        else if (in_ops && begins(s, "/* ") && isupper((unsigned char)s[3]) && strchr(s, '.') && strchr(s, '.') < next && strspn(s + 3, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz, ") == (size_t)(strchr(s, '.') - s - 3))
            add_group(s + 3, (size_t)(strchr(s, '.') - s - 3));
        else if (in_ops && begins(s, "TG_API ") && strstr(s, "tg_") && strchr(s, '(')) {
            const char *at = strchr(s, '(');
            while (isalnum((unsigned char)at[-1]) || at[-1] == '_') at--;
            word_at(at + 3, name, sizeof name);
            add_op(name);
        }
    }
    s = strstr(s, "typedef enum tg_family {");
    while (s && (s = strstr(s, "TG_FAMIL")) != NULL && begins(s, "TG_FAMILY_") && f + 1 < TG_FAMILIES) {
        size_t i, n = word_at(s + 10, family_names[++f], sizeof family_names[0]);
        for (i = 0; i < n; i++) family_names[f][i] = (char)tolower((unsigned char)family_names[f][i]);
        s += 10;
    }
    if (n_ops < 300 || f + 1 != TG_FAMILIES) { fprintf(stderr, "table: only %d functions and %d families were found\n", n_ops, f); exit(2); }
}

/* ---- a device that declines all it is asked, so that the library computes on copies; it keeps the order of questions ---- */
static bool asked[TG_FAMILIES], reads_host, copying_out;
static void *device_alloc(void *user, void *stream, size_t n) { (void)user; (void)stream; return malloc(n + 1); }
static void device_release(void *user, void *stream, void *p, size_t n) { (void)user; (void)stream; (void)n; free(p); }
static bool device_in(void *user, void *stream, void *to, const void *from, size_t n) { (void)user; (void)stream; memcpy(to, from, n); copying_out = false; return true; }
static bool device_out(void *user, void *stream, void *to, const void *from, size_t n) {
    (void)user; (void)stream;
    memcpy(to, from, n);
    if (!copying_out) reads_host = true;       /* what is read before a result of a declined family goes back is that family's own operand */
    return true;
}
static tg_launch device_launch(void *user, void *stream, const tg_request *r, const tg_operand *o, void *const *base) {
    (void)user; (void)stream; (void)o; (void)base;
    copying_out = true;
    if (r->family > 0 && r->family < TG_FAMILIES) asked[r->family] = true;
    return TG_LAUNCH_DECLINED;
}

/* ---- running a row ---- */
typedef bool (*rows_fn)(int k, trial *c);
static const char float_letters[] = "xyhlvscwktaAKQMNJHPR";
static bool has_one_of(const char *letters, const char *set) { return strpbrk(letters, set) != NULL; }
static void set_dtype(const trial *c, tg_dtype d) {
    floats_are = TG_F32; wholes_are = TG_I64;
    if (c->in[0] == 'u') return;                                 /* bytes are the first operand's type, whatever the others are */
    if (!c->in[0]) floats_are = wholes_are = d;
    else if (has_one_of(c->in, float_letters)) floats_are = d;
    else if (has_one_of(c->in, "igpE")) wholes_are = d;
}
static void no_log(void *user, tg_log_level level, const char *text) { (void)user; (void)level; (void)text; }
static tg_ctx *start(trial *c, const tg_backend *b) {
    tg_config config;
    memset(&config, 0, sizeof config);
    config.seed = 1; config.hooks.log = no_log;
    c->tg = c->to = tg_open(&config);
    if (!c->tg || (b && !tg_device_register(c->tg, (tg_device)DEVICE, b))) { fprintf(stderr, "table: no context\n"); exit(2); }
    return c->tg;
}
static bool call_row(rows_fn rows, int k, trial *c, tg_tensor *const *o) { c->o = o; c->go = true; c->ok = false; c->n = 0; return rows(k, c) && c->ok && !tg_failed(c->tg); }

static bool works(rows_fn rows, int k, trial *c, tg_dtype d, tg_dtype *gives) {
    tg_tensor *o[OPERANDS];
    bool ok;
    int i;
    *gives = d;
    if (c->in[0] == 'u' && d != TG_U8) return false;
    set_dtype(c, d);
    (void)start(c, NULL);
    for (i = 0; i < (int)strlen(c->in); i++) o[i] = whole(c->tg, c->in[i], 0, false);
    ok = call_row(rows, k, c, o);
    *gives = ok && c->n ? c->r[0]->dtype : d;
    tg_close(c->tg);
    return ok;
}

/* The order to which each operand is differentiated: '2' twice, and then as often as one likes; '1' once; '0' its gradient is zero everywhere; '-' none; '.' it is no float. */
static bool all_zero(tg_tensor *g) { return tg_item(tg_amax(tg_abs(g))) == 0; }
static void orders_of(rows_fn rows, int k, trial *c, tg_dtype d, char *out) {
    const int n = (int)strlen(c->in);
    tg_tensor *o[OPERANDS], *leaf[OPERANDS], *g[OPERANDS], *h[OPERANDS], *y = NULL, *s, *from[OPERANDS];
    int of[OPERANDS], i, j, m = 0;
    set_dtype(c, d);
    (void)start(c, NULL);
    for (i = 0; i < n; i++) {
        o[i] = whole(c->tg, c->in[i], 0, false);
        out[i] = tg_dtype_is_float(o[i]->dtype) ? '-' : '.';
        if (out[i] == '.') continue;
        leaf[m] = tg_require_grad(tg_detach(o[i]), true); of[m] = i;
        o[i] = tg_mul_scalar(leaf[m++], 1);
    }
    out[n] = 0;
    if (m && call_row(rows, k, c, o)) {
        for (i = 0; i < c->n; i++) {                                          /* y + y^2 of all results: then every order depends on the operands */
            if (!c->r[i] || !c->r[i]->requires_grad) continue;
            s = tg_sum(tg_add(c->r[i], tg_square(c->r[i])));
            y = y ? tg_add(y, s) : s;
        }
        if (y && !tg_grad(&y, 1, leaf, m, g, .allow_unused = true, .create_graph = true)) problem(c->name, "no gradient: ", tg_error_text(c->tg));
        else if (y) {
            for (i = 0; i < m; i++) {
                if (!g[i]) continue;
                out[of[i]] = all_zero(g[i]) ? '0' : '1';
                if (!g[i]->requires_grad) continue;
                s = tg_sum(tg_square(g[i])); from[0] = s;
                if (!tg_grad(from, 1, leaf, m, h, .allow_unused = true, .create_graph = true)) { problem(c->name, "no second order: ", tg_error_text(c->tg)); break; }
                for (j = 0; j < m; j++) if (h[j] && out[of[i]] == '1') out[of[i]] = '2';
            }
        }
    }
    tg_close(c->tg);
}

static void put_asked(char *out, const bool *before) {            /* the families that were asked, less those before */
    int f;
    bool any = false;
    for (f = 1; f < TG_FAMILIES; f++) if (asked[f] && !(before && before[f])) { sprintf(out + strlen(out), "%s%s", any ? " " : before ? " / " : "", family_names[f]); any = true; }
}
/* The better one of what several values and rows show: a gradient may be zero where tanh is nearly 1. */
static void better(char *orders, const char *more) {
    static const char rank[] = ".-012";
    for (; *orders && *more; orders++, more++) if (strchr(rank, *more) > strchr(rank, *orders)) *orders = *more;
}
static bool at_odds(const char *a, const char *b) { for (; *a && *b; a++, b++) if (*a != *b && *a != '0' && *b != '0') return true; return false; }
static void orders_anywhere(rows_fn rows, int k, trial *c, tg_dtype d, char *out) {
    static const double from[][2] = { { 0.1, 0.9 }, { 0.01, 0.09 }, { -0.9, 0.9 }, { 0.9, 1.1 } };
    char more[OPERANDS];
    int i;
    for (i = 0; i < 4; i++) {
        floats_low = from[i][0]; floats_high = from[i][1];
        orders_of(rows, k, c, d, i ? more : out);
        if (i) better(out, more);
    }
    floats_low = from[0][0]; floats_high = from[0][1];
}

/* What a device is asked: for the result, and behind a stroke what the gradient asks for besides. */
static void ask_device(rows_fn rows, int k, trial *c, tg_dtype d, char *out) {
    tg_backend b;
    tg_tensor *o[OPERANDS], *leaf[OPERANDS], *g[OPERANDS], *y[4], *seed[4];
    int i, m = 0, n = 0;
    bool host, before[TG_FAMILIES];
    memset(&b, 0, sizeof b);
    b.name = "table"; b.alloc = device_alloc; b.release = device_release; b.copy_in = device_in; b.copy_out = device_out; b.launch = device_launch;
    set_dtype(c, d);
    (void)start(c, &b);
    for (i = 0; i < (int)strlen(c->in); i++) {
        o[i] = tg_to_device(whole(c->tg, c->in[i], 0, false), (tg_device)DEVICE);
        if (!tg_dtype_is_float(o[i]->dtype)) continue;
        leaf[m] = o[i] = tg_require_grad(tg_detach(o[i]), true);
        if (strchr(c->may, 'w')) o[i] = tg_mul_scalar(leaf[m], 1);             /* no leaf is written to */
        m++;
    }
    memset(asked, 0, sizeof asked); reads_host = copying_out = false;
    if (!call_row(rows, k, c, o)) problem(c->name, "not on a device: ", tg_error_text(c->tg));
    out[0] = 0;
    put_asked(out, NULL);
    if (!out[0]) strcpy(out, "view");
    memcpy(before, asked, sizeof before);
    host = reads_host;
    for (i = 0; i < c->n; i++) if (c->r[i] && c->r[i]->requires_grad && tg_dtype_is_float(c->r[i]->dtype)) { y[n] = c->r[i]; seed[n] = tg_ones_like(y[n]); n++; }
    memset(asked, 0, sizeof asked);
    if (n && tg_grad(y, n, leaf, m, g, .allow_unused = true, .grad_outputs = seed)) put_asked(out, before);
    if (host) strcat(out, ", host");
    tg_close(c->tg);
}

/* One row. The first of those with the most operands tells types and families; of gradients each of them may show more. */
static void look_at_row(op *p, rows_fn rows, int k, trial *c) {
    const int n = (int)strlen(c->in);
    const bool better_row = !p->device[0] || n > p->row_operands;
    char orders[OPERANDS];
    tg_dtype first = TG_DTYPES, gives;
    int d;
    if (n < p->row_operands) return;
    memset(orders, '.', sizeof orders); orders[n] = 0;
    for (d = 0; d < TG_DTYPES; d++) {
        const bool taken = works(rows, k, c, (tg_dtype)d, &gives) && (n || (c->n && gives == (tg_dtype)d));       /* without operands the type is asked for */
        if (better_row) { p->takes[d] = taken; p->gives[d] = gives; }
        if (taken && first == TG_DTYPES) first = (tg_dtype)d;
        if (taken && n && (tg_dtype_is_float((tg_dtype)d) || c->in[0] == 'u')) {
            char of_type[OPERANDS];
            orders_anywhere(rows, k, c, (tg_dtype)d, of_type);
            if (d > (int)first && at_odds(of_type, orders)) problem(c->name, "its gradient is another of other types: ", of_type);
            better(orders, of_type);
        }
    }
    if (!better_row) { better(p->orders, orders); return; }
    p->row_operands = n;
    strcpy(p->orders, orders);
    p->device[0] = 0;
    if (n == 0) strcpy(p->device, "cpu"); else if (first < TG_DTYPES) ask_device(rows, k, c, first, p->device);
}
static void look_at(op *p) {
    static const rows_fn lists[] = { formula, other, made, created };
    bool called = false;
    int l, k;
    for (l = 0; l < 4; l++) {
        trial c;
        memset(&c, 0, sizeof c);
        for (k = 0; c.go = false, lists[l](k, &c); k++) {
            const size_t n = strlen(p->name);
            if (strncmp(c.name + 3, p->name, n) != 0 || (c.name[3 + n] && strcmp(c.name + 3 + n, "_from") != 0)) continue;
            called = true;
            look_at_row(p, lists[l], k, &c);
        }
    }
    if (!called) problem(p->name, "it has no row in tests/calls.h", "");
    else if (!p->device[0]) problem(p->name, "it works with no dtype", "");
}

/* ---- a line ---- */
/* "f i u8 b": a word for each class of types that is taken whole, else the types' names; "i,b→f32": their results have another type; " → bool": all results have that one. */
static void types_text(const op *p, char *out) {
    static const struct { tg_dtype first, last; const char *word; } classes[] = { { TG_F32, TG_BF16, "f" }, { TG_I64, TG_I8, "i" }, { TG_U8, TG_U8, "u8" }, { TG_BOOL, TG_BOOL, "b" } };
    bool own = true, one = true;
    int d, c, some = -1, pending = TG_DTYPES;                     /* pending: what comes out of the words that are not yet followed by an arrow */
    out[0] = 0;
    for (d = 0; d < TG_DTYPES; d++) if (p->takes[d]) { if (p->gives[d] != (tg_dtype)d) own = false; if (some >= 0 && p->gives[d] != p->gives[some]) one = false; some = d; }
    for (c = 0; c < 4; c++) {
        bool all = true, same = true, itself = true;
        for (d = (int)classes[c].first; d <= (int)classes[c].last; d++) {
            if (!p->takes[d]) all = false;
            if (p->gives[d] != p->gives[classes[c].first]) same = false;
            if (p->gives[d] != (tg_dtype)d) itself = false;
        }
        for (d = (int)classes[c].first; d <= (int)classes[c].last; d++) {
            const bool whole_class = all && (same || itself), plain = one || (whole_class ? itself : p->gives[d] == (tg_dtype)d);
            const int result = plain ? (int)TG_DTYPES : (int)p->gives[d];
            if (!p->takes[d]) continue;
            if (pending != (int)TG_DTYPES && pending != result) sprintf(out + strlen(out), "→%s", tg_dtype_name((tg_dtype)pending));
            sprintf(out + strlen(out), "%s%s", !out[0] ? "" : !plain && pending == result ? "," : " ", whole_class ? classes[c].word : tg_dtype_name((tg_dtype)d));
            pending = result;
            if (whole_class) break;
        }
    }
    if (pending != (int)TG_DTYPES) sprintf(out + strlen(out), "→%s", tg_dtype_name((tg_dtype)pending));
    if (some < 0) strcpy(out, "-"); else if (one && !own) sprintf(out + strlen(out), " → %s", tg_dtype_name(p->gives[some]));
}
static void orders_text(const op *p, char *out) {
    char first = 0;
    const char *s;
    bool same = true;
    for (s = p->orders; *s; s++) if (*s != '.') { if (!first) first = *s; if (*s != first) same = false; }
    if (!first) strcpy(out, "-"); else if (same) sprintf(out, "%c", first); else strcpy(out, p->orders);
}
static const char *torchs(const op *p) {
    int i;
    for (i = 0; torch_names[i].ours; i++) if (strcmp(torch_names[i].ours, p->name) == 0 && strcmp(torch_names[i].torchs, p->name) != 0) return torch_names[i].torchs;
    return NULL;
}
static void print_name(const op *p) {
    printf("%s", p->name);
    if (torchs(p)) printf(" [%s]", strcmp(torchs(p), "none") == 0 ? "not torch's" : torchs(p));
}

static const char how_to_read[] =
    "A name in brackets is torch's, where it differs by more than a module (`tg_mse_loss` is `torch.nn.functional.mse_loss`).\n"
    "\n"
    "- **types** that the operands may have: `f` f32, f64, f16, bf16; `i` i64, i32, i16, i8; `u8`; `b` bool; others by their\n"
    "  names. The result has the operand's type, or the one behind the arrow: `f i,b→f32` of i and b, `f i → bool` of all.\n"
    "  Indices, masks and lengths are not counted.\n"
    "- **gradient**: `2` there is one, and it is differentiable again, to any order; `1` only once; `0` it is zero\n"
    "  everywhere; `-` there is none. One digit for all floating operands, or one for each operand in their order, with a\n"
    "  dot for an index or a mask.\n"
    "- **device**: the families of kernels that a device is asked for (`>>device` in the header tells what each does), behind\n"
    "  the stroke those that the gradient asks for besides. `view`: nothing is computed; `cpu`: the tensor is made on the host;\n"
    "  `host`: the host reads values before the result is there.\n";

int main(int argc, char **argv) {
    const bool brief = argc == 3 && strcmp(argv[1], "--short") == 0;
    char types[WIDE], orders[OPERANDS + 1];
    int i, k;
    if (argc != 2 && !brief) { fprintf(stderr, "usage: table [--short] tensorgrad.h\n"); return 2; }
    read_functions(read_text(argv[argc - 1]));
    for (i = 0; i < n_ops; i++) {
        look_at(&ops[i]);
        types_text(&ops[i], types); orders_text(&ops[i], orders);
        sprintf(ops[i].line, "%s | %s | %s", types, orders, ops[i].device);
    }
    printf("%s\n| function | types | gradient | device |\n| --- | --- | --- | --- |\n", how_to_read);
    for (i = 0; i < n_ops; i++) {
        if (!ops[i].name[0]) continue;                                        /* printed before */
        if (i == 0 || ops[i].group != ops[i - 1].group) printf("| **%s** | | | |\n", groups[ops[i].group]);
        printf("| ");
        print_name(&ops[i]);
        for (k = i + 1; brief && k < n_ops; k++) {
            if (ops[k].group != ops[i].group || !ops[k].name[0] || strcmp(ops[k].line, ops[i].line) != 0) continue;
            printf(", ");
            print_name(&ops[k]);
            ops[k].name[0] = 0;
        }
        printf(" | %s |\n", ops[i].line);
    }
    return problems != 0;
}
