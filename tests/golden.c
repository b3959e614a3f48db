/* Golden operator cases: runs every case of shared/golden against the library and compares results, gradients, second-order gradients and refusals.

     cc -O1 tests/golden.c -o golden && ./golden [--only TEXT] [--verbose] [--list-skipped] [--perturb] [--echo]
                                             [--isa plain|avx2|avx512|neon|simd128] [--strict] [--device emulated|cuda] [DIR...]

   A DIR holds *.jsonl with their .safetensors, or a folder ops that does; without one it is ../shared/golden. The format is described in the README.md there.
   The last line is  golden: N passed, N failed, N skipped  and the exit status is 0 if nothing failed.

   The runner does no arithmetic of its own: an adapter turns one PyTorch call into calls of the library, by rearranging arguments. A case that the API cannot
   express is skipped, and so is one with an argument that its adapter has not read: nothing passes by being overlooked. An adapter knows the operator's
   signature, never a case.

   To add an operation: nothing for a formula row of the torch name; else write an adapter below and give it a row in `adapters`.

   --perturb tests the runner: each expectation of a case that passes is changed in turn, a little more than the tolerance allows, and must be noticed.
   --device runs the cases on a GPU by tensorgrad_cuda.h, or on the driver that the tests emulate (build/cuda, made by tests/test_cuda.sh): arguments are moved there, results and gradients home. An
   adapter that makes a tensor of its own makes it on the CPU, and the library refuses to mix: such a case is skipped, and counted apart.

   --echo feeds the expected outputs back as results (no call of an operator), so that with --perturb the comparison itself is tested on every case. */

#ifndef TENSORGRAD_SOFT_FMA
#define TENSORGRAD_SOFT_FMA            /* strict mode on the plain pass too */
#endif
#define TENSORGRAD_IMPLEMENTATION
#include "../tensorgrad.h"
#include "../tensorgrad_cuda.h"
#include "isa.h"
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__GNUC__)
#define PRINTF_LIKE(text_at, first) __attribute__((format(printf, text_at, first)))
#else
#define PRINTF_LIKE(text_at, first)
#endif

static void *get_memory(size_t count, size_t size) {
    void *p = calloc(count ? count : 1, size ? size : 1);
    if (!p) { fprintf(stderr, "golden: out of memory\n"); exit(2); }
    return p;
}
static char *copy_text(const char *s) {
    size_t n = strlen(s) + 1;
    return (char *)memcpy(get_memory(n, 1), s, n);
}
static bool ends_with(const char *s, const char *tail) {
    size_t a = strlen(s), b = strlen(tail);
    return a >= b && strcmp(s + a - b, tail) == 0;
}
static bool starts_with(const char *s, const char *head) { return strncmp(s, head, strlen(head)) == 0; }
static uint64_t double_bits(double x) { uint64_t u; memcpy(&u, &x, 8); return u; }
static bool is_nan(double x) { return (double_bits(x) & 0x7fffffffffffffffu) > 0x7ff0000000000000u; }      /* by bits: also under -ffast-math */
static bool is_finite(double x) { return (double_bits(x) & 0x7ff0000000000000u) != 0x7ff0000000000000u; }
static double magnitude(double x) { uint64_t u = double_bits(x) & 0x7fffffffffffffffu; memcpy(&x, &u, 8); return x; }

/* Text that is cut where the room ends. */
typedef struct text { char *out; size_t room, length; } text;
static void say(text *t, const char *format, ...) PRINTF_LIKE(2, 3);
static void say(text *t, const char *format, ...) {
    va_list list;
    int n;
    va_start(list, format);
    n = t->length < t->room ? vsnprintf(t->out + t->length, t->room - t->length, format, list) : 0;
    va_end(list);
    if (n > 0) t->length += (size_t)n;
    if (t->length >= t->room) t->length = t->room ? t->room - 1 : 0;
}

/* ---------------------------------------------------------------------------------------------------------------------------------------- values ----
   One line of JSON becomes a tree of values; then the objects among the arguments become tensors, dtypes, slices. */

typedef enum kind { V_NULL, V_BOOL, V_INT, V_NUM, V_STR, V_LIST, V_DICT, V_TENSOR, V_DTYPE, V_SLICE, V_ELLIPSIS, V_NEWAXIS } kind;

typedef struct val val;
struct val {
    kind        kind;
    bool        flag;           /* V_BOOL; V_TENSOR: complex          */
    bool        used;           /* an adapter has looked at it        */
    int         count;          /* children                           */
    int64_t     i;              /* V_INT                              */
    double      n;              /* V_NUM; V_INT and V_BOOL as well    */
    const char *s;              /* V_STR; V_TENSOR: its key           */
    const char *key;            /* name within a dict                 */
    val        *first, *last, *next;
    val        *perm;           /* V_TENSOR: a list, or NULL          */
    tg_dtype    dtype;          /* V_DTYPE                            */
    tg_tensor  *t;              /* V_TENSOR: the argument             */
};

typedef struct parser { char *p; val *pool; size_t used, room; bool bad; } parser;

#define MAX_DEPTH 32

static val *new_val(parser *ps, kind k) {
    val *v;
    if (ps->used >= ps->room) { ps->bad = true; return NULL; }
    v = &ps->pool[ps->used++];
    memset(v, 0, sizeof *v);
    v->kind = k;
    return v;
}
static void append(val *list, val *v) {
    if (list->last) list->last->next = v; else list->first = v;
    list->last = v;
    list->count++;
}
static void blanks(parser *ps) { while (*ps->p == ' ' || *ps->p == '\t' || *ps->p == '\r' || *ps->p == '\n') ps->p++; }

static int hex4(const char *p) {
    int i, v = 0;
    for (i = 0; i < 4; i++) {
        char ch = p[i];
        int d = ch >= '0' && ch <= '9' ? ch - '0' : ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : ch >= 'A' && ch <= 'F' ? ch - 'A' + 10 : -1;
        if (d < 0) return -1;
        v = v * 16 + d;
    }
    return v;
}
/* Decodes in place: the text never grows. */
static char *parse_string(parser *ps) {
    char *start = ++ps->p, *w = start;
    for (;;) {
        char ch = *ps->p++;
        if (ch == '"') break;
        if ((unsigned char)ch < 32) { ps->bad = true; ps->p--; break; }
        if (ch == '\\') {
            ch = *ps->p++;
            if (ch == 'u') {
                int u = hex4(ps->p);
                if (u < 0 || (u >= 0xd800 && u < 0xe000)) { ps->bad = true; break; }       /* names and equations are ASCII; no pairs of halves */
                ps->p += 4;
                if (u >= 0x800) { *w++ = (char)(0xe0 | (u >> 12)); *w++ = (char)(0x80 | ((u >> 6) & 63)); ch = (char)(0x80 | (u & 63)); }
                else if (u >= 0x80) { *w++ = (char)(0xc0 | (u >> 6)); ch = (char)(0x80 | (u & 63)); }
                else ch = (char)u;
            } else {
                const char *from = "\"\\/bfnrt", *to = "\"\\/\b\f\n\r\t", *at = ch ? strchr(from, ch) : NULL;
                if (!at) { ps->bad = true; break; }
                ch = to[at - from];
            }
        }
        *w++ = ch;
    }
    *w = 0;
    return start;
}
static val *parse_number(parser *ps) {
    char *end = ps->p;
    bool real = false;
    val *v = new_val(ps, V_INT);
    if (!v) return NULL;
    while (*end && strchr("+-0123456789.eE", *end)) { if (*end == '.' || *end == 'e' || *end == 'E') real = true; end++; }
    if (end == ps->p) { ps->bad = true; return NULL; }
    errno = 0;
    if (real) {
        v->kind = V_NUM;
        v->n = strtod(ps->p, &ps->p);
    } else {
        v->i = (int64_t)strtoll(ps->p, &ps->p, 10);
        v->n = (double)v->i;
        if (errno == ERANGE) ps->bad = true;
    }
    if (ps->p != end) ps->bad = true;
    return v;
}
static bool parse_word(parser *ps, const char *word) {
    if (!starts_with(ps->p, word)) return false;
    ps->p += strlen(word);
    return true;
}
static val *parse_value(parser *ps, int depth) {
    val *v = NULL, *e;
    blanks(ps);
    if (depth > MAX_DEPTH) { ps->bad = true; return NULL; }
    if (*ps->p == '"') {
        if ((v = new_val(ps, V_STR)) != NULL) v->s = parse_string(ps);
    } else if (*ps->p == '[' || *ps->p == '{') {
        bool dict = *ps->p == '{';
        char end = dict ? '}' : ']';
        v = new_val(ps, dict ? V_DICT : V_LIST);
        ps->p++;
        blanks(ps);
        if (*ps->p == end) { ps->p++; return v; }
        while (!ps->bad) {
            const char *key = NULL;
            if (dict) {
                blanks(ps);
                if (*ps->p != '"') { ps->bad = true; break; }
                key = parse_string(ps);
                blanks(ps);
                if (*ps->p++ != ':') { ps->bad = true; break; }
            }
            e = parse_value(ps, depth + 1);
            if (!e || ps->bad) break;
            e->key = key;
            append(v, e);
            blanks(ps);
            if (*ps->p == ',') { ps->p++; continue; }
            if (*ps->p == end) { ps->p++; break; }
            ps->bad = true;
        }
    } else if (parse_word(ps, "true")) { if ((v = new_val(ps, V_BOOL)) != NULL) { v->flag = true; v->n = 1; v->i = 1; } }
    else if (parse_word(ps, "false")) v = new_val(ps, V_BOOL);
    else if (parse_word(ps, "null")) v = new_val(ps, V_NULL);
    else v = parse_number(ps);
    return ps->bad ? NULL : v;
}
static val *field(const val *dict, const char *name) {
    val *v = dict && dict->kind == V_DICT ? dict->first : NULL;
    while (v && strcmp(v->key, name) != 0) v = v->next;
    return v;
}
static val *child(const val *list, int i) {
    val *v = list ? list->first : NULL;
    while (v && i-- > 0) v = v->next;
    return v;
}
static bool dtype_named(const char *name, tg_dtype *dtype) {
    int i;
    for (i = 0; i < (int)TG_DTYPES; i++) if (strcmp(name, tg_dtype_name((tg_dtype)i)) == 0) { *dtype = (tg_dtype)i; return true; }
    return false;
}
/* What an object among the arguments means. False: something this runner does not know. */
static bool settle(val *v) {
    val *e;
    if (v->kind == V_LIST) {
        for (e = v->first; e; e = e->next) if (!settle(e)) return false;
        return true;
    }
    if (v->kind != V_DICT) return true;
    if ((e = field(v, "t")) != NULL && e->kind == V_STR) {
        val *complex = field(v, "complex"), *perm = field(v, "perm");
        v->kind = V_TENSOR; v->s = e->s; v->perm = perm; v->flag = complex && complex->flag;
    } else if ((e = field(v, "f")) != NULL && e->kind == V_STR) {
        v->kind = V_NUM;
        v->n = strcmp(e->s, "inf") == 0 ? (double)INFINITY : strcmp(e->s, "-inf") == 0 ? -(double)INFINITY : (double)NAN;
    } else if ((e = field(v, "dtype")) != NULL && e->kind == V_STR) {
        if (!dtype_named(e->s, &v->dtype)) return false;                  /* complex */
        v->kind = V_DTYPE;
    } else if ((e = field(v, "slice")) != NULL && e->count == 3) { v->kind = V_SLICE; v->first = e->first; v->count = 3; }
    else if (field(v, "ellipsis")) v->kind = V_ELLIPSIS;
    else if (field(v, "none_index")) v->kind = V_NEWAXIS;
    else return false;
    return true;
}

/* ------------------------------------------------------------------------------------------------------------------------------------- one call ----
   What an adapter gets: the arguments; and what it leaves: outputs, or a reason to skip. An adapter need not test for failure: after an error every call of the
   library returns NULL, and a skip wins over whatever an adapter does after it. */

typedef enum result_kind { R_TENSOR, R_NONE, R_BOOL, R_INT, R_NUM, R_INTS } result_kind;
typedef struct result { result_kind kind; tg_tensor *t; bool b; int64_t i; double n; int64_t list[TG_MAX_DIMS]; } result;      /* R_INTS: i of them */

typedef tg_tensor *(*function1)(tg_tensor *x);
typedef tg_tensor *(*function2)(tg_tensor *a, tg_tensor *b);
typedef tg_tensor *(*function3)(tg_tensor *a, tg_tensor *b, tg_tensor *c);

#define MAX_RESULTS 256

typedef struct call {
    tg_ctx     *tg;
    const char *op;
    val        *args, *kwargs;
    bool        in_place;          /* the operator's name ends in _                             */
    bool        gradients;         /* will be asked for; then an in-place operator runs on a clone of the argument */
    tg_tensor  *self;              /* what an in-place operator must return                     */
    const char *skip;              /* why this call cannot be made                              */
    int         n_out;
    result      out[MAX_RESULTS];
    int         formula;           /* index of the formula row, where an adapter of a family wants it */
} call;

static void skip(call *c, const char *why) { if (!c->skip) c->skip = why; }

/* `names` are those the argument may come by: "self|input". */
static bool named(const char *names, const char *key) {
    size_t n = strlen(key);
    for (;;) {
        const char *bar = strchr(names, '|');
        size_t length = bar ? (size_t)(bar - names) : strlen(names);
        if (length == n && strncmp(names, key, n) == 0) return true;
        if (!bar) return false;
        names = bar + 1;
    }
}
/* The argument at position `at` (-1: only by name) or by name; NULL where it is absent or None. */
static val *arg(call *c, int at, const char *names) {
    val *v = at >= 0 ? child(c->args, at) : NULL;
    if (!v) for (v = c->kwargs->first; v && !named(names, v->key); v = v->next) {}
    if (v) v->used = true;
    return v && v->kind != V_NULL ? v : NULL;
}
static val *need(call *c, int at, const char *names) {
    val *v = arg(c, at, names);
    if (!v) skip(c, "an argument is absent");
    return v;
}
static bool is_kind(const val *v, kind k) { return v && v->kind == k; }
static bool is_scalar(const val *v) { return v && (v->kind == V_BOOL || v->kind == V_INT || v->kind == V_NUM); }

static tg_tensor *tensor_of(call *c, const val *v) {
    if (v && v->kind != V_TENSOR) { skip(c, "an argument that is no tensor"); return NULL; }
    return v ? v->t : NULL;
}
static tg_tensor *tensor(call *c, int at, const char *names) { return tensor_of(c, need(c, at, names)); }
static tg_tensor *maybe_tensor(call *c, int at, const char *names) { return tensor_of(c, arg(c, at, names)); }

/* A tensor, or a Python number as the 0-d tensor that promotes like one. */
static tg_tensor *operand_of(call *c, const val *v) {
    if (is_kind(v, V_NUM)) return tg_number(c->tg, v->n);
    if (is_kind(v, V_INT)) return tg_integer(c->tg, v->i);
    if (is_kind(v, V_BOOL)) return tg_full(c->tg, TG_SCALAR, v->n, TG_BOOL);      /* the lowest of all types: a 0-d bool promotes like a Python bool */
    return tensor_of(c, v);
}
static tg_tensor *operand(call *c, int at, const char *names) { return operand_of(c, need(c, at, names)); }

/* The first argument; in place it is what will be written. */
static tg_tensor *self_of(call *c, int at, const char *names) {
    val *v = need(c, at, names);
    tg_tensor *t = c->in_place ? tensor_of(c, v) : operand_of(c, v);
    if (c->in_place) { if (c->gradients && t) t = tg_clone(t); c->self = t; }
    return t;
}
#define SELF "self|input|tensor|A|x|a"
static tg_tensor *self(call *c) { return self_of(c, 0, SELF); }

static double number(call *c, int at, const char *names, double absent) {
    const val *v = arg(c, at, names);
    if (v && !is_scalar(v)) { skip(c, "a number is wanted"); return absent; }
    return v ? v->n : absent;
}
static int64_t integer(call *c, int at, const char *names, int64_t absent) {
    const val *v = arg(c, at, names);
    if (v && v->kind != V_INT && v->kind != V_BOOL) { skip(c, "an integer is wanted"); return absent; }
    return v ? v->i : absent;
}
static int64_t need_integer(call *c, int at, const char *names) { (void)need(c, at, names); return integer(c, at, names, 0); }
static bool flag(call *c, int at, const char *names, bool absent) {
    const val *v = arg(c, at, names);
    if (v && v->kind != V_BOOL) { skip(c, "a boolean is wanted"); return absent; }
    return v ? v->flag : absent;
}
static const char *word(call *c, int at, const char *names, const char *absent) {
    const val *v = arg(c, at, names);
    if (v && v->kind != V_STR) { skip(c, "a text is wanted"); return absent; }
    return v ? v->s : absent;
}
static tg_dtype dtype(call *c, int at, const char *names, tg_dtype absent) {
    const val *v = arg(c, at, names);
    if (v && v->kind != V_DTYPE) { skip(c, "a dtype is wanted"); return absent; }
    return v ? v->dtype : absent;
}
static tg_dtype dtype_kwarg(call *c, tg_dtype absent) { return dtype(c, -1, "dtype", absent); }

static tg_maybe maybe(call *c, int at, const char *names) {
    tg_maybe m = { false, 0 };
    m.is = arg(c, at, names) != NULL;
    if (m.is) m.value = number(c, at, names, 0);
    return m;
}

/* Sizes, dims, paddings: an integer or a list of integers. */
typedef struct ints { bool given, list; int n; int64_t v[TG_MAX_DIMS]; } ints;
static ints ints_of(call *c, const val *v) {
    ints r;
    const val *e;
    memset(&r, 0, sizeof r);
    if (!v) return r;
    r.given = true;
    r.list = v->kind == V_LIST;
    if (!r.list && v->kind != V_INT) { skip(c, "an integer or a list of them is wanted"); return r; }
    if (!r.list) { r.n = 1; r.v[0] = v->i; return r; }
    if (v->count > TG_MAX_DIMS) { skip(c, "more than TG_MAX_DIMS integers"); return r; }
    for (e = v->first; e; e = e->next) {
        if (e->kind != V_INT) { skip(c, "a list of integers is wanted"); return r; }
        r.v[r.n++] = e->i;
    }
    return r;
}
static ints int_list(call *c, int at, const char *names) { return ints_of(c, arg(c, at, names)); }
static ints need_ints(call *c, int at, const char *names) { return ints_of(c, need(c, at, names)); }

#define MAX_TENSORS 64
typedef struct tensors { int n; tg_tensor *t[MAX_TENSORS]; } tensors;
static tensors tensor_list(call *c, int at, const char *names) {
    tensors r;
    val *v = need(c, at, names), *e;
    memset(&r, 0, sizeof r);
    if (v && v->kind != V_LIST) { skip(c, "a list of tensors is wanted"); return r; }
    for (e = v ? v->first : NULL; e; e = e->next) {
        if (r.n == MAX_TENSORS) { skip(c, "a long list"); return r; }
        r.t[r.n++] = tensor_of(c, e);
    }
    return r;
}

static result *put_result(call *c, result_kind k) {
    static result spare;
    result *r = &spare;
    if (c->n_out < MAX_RESULTS) r = &c->out[c->n_out++]; else skip(c, "more outputs than this runner takes");
    memset(r, 0, sizeof *r);
    r->kind = k;
    return r;
}
static void put(call *c, tg_tensor *t) { put_result(c, R_TENSOR)->t = t; }
static void put_bool(call *c, bool b) { put_result(c, R_BOOL)->b = b; }
static void put_int(call *c, int64_t i) { put_result(c, R_INT)->i = i; }
static void put_ints(call *c, int n, const int64_t *v) {
    result *r = put_result(c, R_INTS);
    r->i = n;
    memcpy(r->list, v, (size_t)n * sizeof *v);
}
static void put_num(call *c, double n) { put_result(c, R_NUM)->n = n; }

/* A dimension of t, counted from the end where it is negative; 0 where it is out of range, which the library is left to refuse. */
static int64_t wrap(int64_t dim, int64_t ndim) { return dim < 0 ? dim + ndim : dim; }
static int64_t size_at(const tg_tensor *t, int64_t dim) {
    dim = t ? wrap(dim, t->ndim) : -1;
    return t && dim >= 0 && dim < t->ndim ? t->shape[dim] : 0;
}

/* ------------------------------------------------------------------------------------------------------------------------------------- formulas ----
   The rows of formulas without numbers: the golden name is the row's name without "tg_", perhaps behind "nn.functional." or "special.", perhaps before "_". */

typedef struct row1 { const char *name; function1 f, in_place; } row1;
typedef struct row2 { const char *name; function2 f, in_place; } row2;
typedef struct row3 { const char *name; function3 f, in_place; } row3;
#define NUMBERS(...)
static const row1 rows1[] = {
#define TG_F1(name, ...) { #name, name, name##_ },
#define TG_F1P NUMBERS
#define TG_READ_ROWS
#include "../tensorgrad.h"
{ NULL, NULL, NULL } };
static const row2 rows2[] = {
#define TG_F2(name, ...) { #name, name, name##_ },
#define TG_F2P NUMBERS
#define TG_W2 TG_F2
#define TG_READ_ROWS
#include "../tensorgrad.h"
{ NULL, NULL, NULL } };
static const row3 rows3[] = {
#define TG_F3(name, ...) { #name, name, name##_ },
#define TG_F3P NUMBERS
#define TG_READ_ROWS
#include "../tensorgrad.h"
{ NULL, NULL, NULL } };

static void formula1(call *c) { const row1 *r = &rows1[c->formula]; put(c, (c->in_place ? r->in_place : r->f)(self(c))); }
static void formula2(call *c) {
    const row2 *r = &rows2[c->formula];
    tg_tensor *a = self(c), *b = operand(c, 1, "other|exponent|mat2");
    if (is_scalar(child(c->args, 0)) && is_scalar(child(c->args, 1))) skip(c, "two numbers");
    put(c, (c->in_place ? r->in_place : r->f)(a, b));
}
static void formula3(call *c) {
    const row3 *r = &rows3[c->formula];
    tg_tensor *a = self_of(c, 0, "condition|" SELF), *b = operand(c, 1, c->in_place || strcmp(c->op, "lerp") == 0 ? "end" : "self|input");
    put(c, (c->in_place ? r->in_place : r->f)(a, b, operand(c, 2, "weight|other")));
}

/* ------------------------------------------------------------------------------------------------------------------------------------- adapters ----
   One each, in the order of the families of ops.tsv. */
#define ADAPTER(name) static void name(call *c)

ADAPTER(a_add) {
    tg_tensor *a = self(c), *b = operand(c, 1, "other");
    const val *alpha = arg(c, 2, "alpha");
    bool minus = starts_with(c->op, "sub");
    double p = number(c, 2, "alpha", 1);
    if (alpha && !(alpha->kind == V_BOOL && alpha->flag)) put(c, c->in_place ? tg_add_scaled_(a, b, minus ? -p : p) : tg_add_scaled(a, b, minus ? -p : p));
    else if (minus) put(c, c->in_place ? tg_sub_(a, b) : tg_sub(a, b));
    else put(c, c->in_place ? tg_add_(a, b) : tg_add(a, b));
}
ADAPTER(a_rsub) {
    tg_tensor *a = self(c), *b = operand(c, 1, "other");
    const val *alpha = arg(c, 2, "alpha");
    put(c, alpha ? tg_add_scaled(b, a, -number(c, 2, "alpha", 1)) : tg_sub(b, a));
}
ADAPTER(a_div) {
    tg_tensor *a = self(c), *b = operand(c, 1, "other");
    const char *mode = word(c, -1, "rounding_mode", NULL);
    if (!mode) put(c, c->in_place ? tg_div_(a, b) : tg_div(a, b));
    else if (strcmp(mode, "floor") == 0) put(c, c->in_place ? tg_floor_divide_(a, b) : tg_floor_divide(a, b));
    else if (strcmp(mode, "trunc") == 0) put(c, c->in_place ? tg_div_trunc_(a, b) : tg_div_trunc(a, b));
    else skip(c, "another rounding_mode");
}
/* x between two bounds, each of them None, a number or a tensor. */
static tg_tensor *clamp(call *c, tg_tensor *x, const val *low, const val *high) {
    const bool promotes = x && !tg_dtype_is_float(x->dtype) && (is_kind(low, V_NUM) || is_kind(high, V_NUM));      /* integers between real bounds */
    if (promotes || is_kind(low, V_TENSOR) || is_kind(high, V_TENSOR)) {
        tg_tensor *l = low ? operand_of(c, low) : NULL, *h = high ? operand_of(c, high) : NULL;
        return c->in_place ? tg_clamp_tensor_(x, l, h) : tg_clamp_tensor(x, l, h);
    }
    if ((low && !is_scalar(low)) || (high && !is_scalar(high)) || (!low && !high)) { skip(c, "clamp without bounds"); return NULL; }
    return c->in_place ? tg_clamp_(x, low ? low->n : -(double)INFINITY, high ? high->n : (double)INFINITY)
                       : tg_clamp(x, low ? low->n : -(double)INFINITY, high ? high->n : (double)INFINITY);
}
ADAPTER(a_clamp)     { tg_tensor *x = self(c); put(c, clamp(c, x, arg(c, 1, "min"), arg(c, 2, "max"))); }
ADAPTER(a_clamp_min) { tg_tensor *x = self(c); put(c, clamp(c, x, arg(c, 1, "min"), NULL)); }
ADAPTER(a_clamp_max) { tg_tensor *x = self(c); put(c, clamp(c, x, NULL, arg(c, 1, "max"))); }
ADAPTER(a_round) {
    tg_tensor *x = self(c);
    int64_t decimals = integer(c, -1, "decimals", 0);
    put(c, decimals ? c->in_place ? tg_copy_(x, tg_round_decimals(x, (int)decimals)) : tg_round_decimals(x, (int)decimals) : c->in_place ? tg_round_(x) : tg_round(x));
}
ADAPTER(a_addcmul) {
    tg_tensor *a = self(c), *b = operand(c, 1, "tensor1"), *d = operand(c, 2, "tensor2");
    double p = number(c, -1, "value", 1);
    if (starts_with(c->op, "addcmul")) put(c, c->in_place ? tg_addcmul_(a, b, d, p) : tg_addcmul(a, b, d, p));
    else put(c, c->in_place ? tg_addcdiv_(a, b, d, p) : tg_addcdiv(a, b, d, p));
}
ADAPTER(a_fill) {
    tg_tensor *x = self(c);
    const val *v = need(c, 1, "value");
    if (!c->in_place) x = tg_clone(x);
    put(c, is_scalar(v) ? tg_fill_(x, v->n) : tg_copy_(x, tensor_of(c, v)));
}
ADAPTER(a_zero) { put(c, tg_zero_(self(c))); }
ADAPTER(a_float_power) { tg_tensor *a = self(c), *b = operand(c, 1, "exponent"); put(c, tg_float_power(a, b)); }

#define OF_ONE(name) ADAPTER(a_##name) { put(c, tg_##name(self(c))); }
OF_ONE(deg2rad) OF_ONE(rad2deg) OF_ONE(signbit) OF_ONE(bitwise_not) OF_ONE(relu6) OF_ONE(selu) OF_ONE(softsign) OF_ONE(tanhshrink)
ADAPTER(a_logaddexp2) { tg_tensor *a = self(c); put(c, tg_logaddexp2(a, operand(c, 1, "other"))); }
ADAPTER(a_heaviside) { tg_tensor *a = self(c); put(c, tg_heaviside(a, operand(c, 1, "values"))); }
ADAPTER(a_nan_to_num) {
    tg_tensor *x = self(c);
    double nan = number(c, 1, "nan", 0), up = number(c, 2, "posinf", INFINITY);
    put(c, tg_nan_to_num(x, nan, up, number(c, 3, "neginf", -INFINITY)));
}

/* ---- compare ---- */
ADAPTER(a_isclose) {
    tg_tensor *a = self(c), *b = operand(c, 1, "other");
    double rtol = number(c, 2, "rtol", 1e-5), atol = number(c, 3, "atol", 1e-8);
    put(c, tg_isclose(a, b, rtol, atol, flag(c, 4, "equal_nan", false)));
}
ADAPTER(a_allclose) {
    tg_tensor *a = self(c), *b = tensor(c, 1, "other");
    if (flag(c, 4, "equal_nan", false)) skip(c, "equal_nan");
    put_bool(c, tg_allclose(a, b, number(c, 2, "rtol", 1e-5), number(c, 3, "atol", 1e-8)));
}
ADAPTER(a_equal) { tg_tensor *a = self(c); put_bool(c, tg_equal(a, tensor(c, 1, "other"))); }

/* ---- reduce ---- */
ADAPTER(a_sum) {
    tg_tensor *x = self(c);
    ints d = int_list(c, 1, "dim");
    bool keep = flag(c, 2, "keepdim", false);
    if (arg(c, -1, "dtype")) x = tg_to(x, dtype_kwarg(c, TG_F32));
    if (strcmp(c->op, "sum") == 0) x = d.given || keep ? tg_sum_dims(x, d.n, d.v, keep) : tg_sum(x), put(c, arg(c, -1, "dtype") ? tg_to(x, dtype_kwarg(c, TG_F32)) : x);
    else put(c, d.given || keep ? tg_mean_dims(x, d.n, d.v, keep) : tg_mean(x));
}
ADAPTER(a_prod) {
    tg_tensor *x = self(c);
    ints d = int_list(c, 1, "dim");
    bool keep = flag(c, 2, "keepdim", false);
    if (arg(c, -1, "dtype")) x = tg_to(x, dtype_kwarg(c, TG_F32));
    if (d.n > 1 || d.list) skip(c, "prod over a list of dims");
    x = d.given ? tg_prod_dim(x, d.v[0], keep) : tg_prod(x);
    put(c, arg(c, -1, "dtype") ? tg_to(x, dtype_kwarg(c, TG_F32)) : x);
}
#define BY_DIMS(name, function) ADAPTER(name) { \
    tg_tensor *x = self(c); ints d = int_list(c, 1, "dim"); bool keep = flag(c, 2, "keepdim", false); \
    put(c, function(x, d.n, d.v, keep)); }
BY_DIMS(a_amax, tg_amax_dims)
BY_DIMS(a_amin, tg_amin_dims)
BY_DIMS(a_any, tg_any_dims)
BY_DIMS(a_all, tg_all_dims)

ADAPTER(a_max) {
    bool largest = starts_with(c->op, "max");
    tg_tensor *x = self(c), *indices = NULL, *y;
    const val *v = arg(c, 1, "dim|other");
    bool keep = flag(c, 2, "keepdim", false);
    if (is_kind(v, V_TENSOR)) put(c, largest ? tg_maximum(x, v->t) : tg_minimum(x, v->t));
    else if (!v) put(c, largest ? tg_max(x) : tg_min(x));
    else {
        int64_t d = integer(c, 1, "dim|other", 0);
        y = largest ? tg_max_dim(x, d, keep, &indices) : tg_min_dim(x, d, keep, &indices);
        put(c, y);
        put(c, indices);
    }
}
ADAPTER(a_argmax) {
    bool largest = starts_with(c->op, "argmax");
    tg_tensor *x = self(c);
    const val *v = arg(c, 1, "dim");
    int64_t d = integer(c, 1, "dim", 0);
    bool keep = flag(c, 2, "keepdim", false);
    if (!v && keep) skip(c, "keepdim without dim");
    if (!v) put(c, largest ? tg_argmax(x) : tg_argmin(x));
    else put(c, largest ? tg_argmax_dim(x, d, keep) : tg_argmin_dim(x, d, keep));
}
ADAPTER(a_aminmax) {
    tg_tensor *x = self(c), *least = NULL, *most = NULL;
    ints d = int_list(c, -1, "dim");
    bool keep = flag(c, -1, "keepdim", false);
    (void)tg_aminmax(x, d.n, d.v, keep, &least, &most);
    put(c, least); put(c, most);
}
/* var, std, var_mean, std_mean: (self, unbiased), (self, dim, unbiased, keepdim), (self, dim, *, correction, keepdim) */
ADAPTER(a_var) {
    tg_tensor *x = self(c), *y;
    const val *second = arg(c, 1, "dim"), *correction = arg(c, -1, "correction");
    bool unbiased_second = is_kind(second, V_BOOL), keep = flag(c, 3, "keepdim", false);
    ints d = ints_of(c, unbiased_second ? NULL : second);
    bool unbiased = unbiased_second ? second->flag : flag(c, 2, "unbiased", true);
    double by = correction ? number(c, -1, "correction", 1) : unbiased ? 1 : 0;
    bool std = starts_with(c->op, "std");
    if (ends_with(c->op, "_mean")) {
        tg_tensor *mean = NULL;
        y = NULL;
        (void)(std ? tg_std_mean(x, d.n, d.v, by, keep, &y, &mean) : tg_var_mean(x, d.n, d.v, by, keep, &y, &mean));
        put(c, y); put(c, mean);
    } else put(c, std ? tg_std_dims(x, d.n, d.v, by, keep) : tg_var_dims(x, d.n, d.v, by, keep));
}
ADAPTER(a_count_nonzero) {
    tg_tensor *x = self(c);
    ints d = int_list(c, 1, "dim");
    put(c, tg_count_nonzero(x, d.n, d.v));
}
ADAPTER(a_nansum) {           /* nansum, nanmean */
    tg_tensor *x = self(c);
    ints d = int_list(c, 1, "dim");
    bool keep = flag(c, 2, "keepdim", false);
    if (arg(c, -1, "dtype")) x = tg_to(x, dtype_kwarg(c, TG_F32));
    put(c, strcmp(c->op, "nansum") == 0 ? tg_nansum(x, d.n, d.v, keep) : tg_nanmean(x, d.n, d.v, keep));
}

ADAPTER(a_logsumexp) { tg_tensor *x = self(c); ints d = need_ints(c, 1, "dim"); put(c, tg_logsumexp(x, d.n, d.v, flag(c, 2, "keepdim", false))); }
ADAPTER(a_norm) {
    tg_tensor *x = self(c);
    const val *p = arg(c, 1, "p|ord");
    ints d = int_list(c, 2, "dim");
    bool keep = flag(c, 3, "keepdim", false);
    if (is_kind(p, V_STR) && strcmp(p->s, "fro") != 0) skip(c, "another norm");
    if (arg(c, -1, "dtype")) x = tg_to(x, dtype_kwarg(c, TG_F32));
    put(c, tg_norm(x, is_kind(p, V_STR) ? 2 : number(c, 1, "p|ord", 2), d.n, d.v, keep));
}
ADAPTER(a_dist)   { tg_tensor *a = self(c), *b = operand(c, 1, "other"); put(c, tg_dist(a, b, number(c, 2, "p", 2))); }
ADAPTER(a_renorm) { tg_tensor *x = self(c); double p = number(c, 1, "p", 2); int64_t d = need_integer(c, 2, "dim"); put(c, tg_renorm(x, p, d, number(c, 3, "maxnorm", 0))); }
ADAPTER(a_median) {
    tg_tensor *x = self(c), *at = NULL, *y;
    const val *v = arg(c, 1, "dim");
    int64_t d = integer(c, 1, "dim", 0);
    bool keep = flag(c, 2, "keepdim", false);
    if (!v) { put(c, tg_median(x)); return; }
    y = tg_median_dim(x, d, keep, &at);
    put(c, y); put(c, at);
}
ADAPTER(a_diff) {
    tg_tensor *x = self(c), *before, *after;
    int64_t n = integer(c, 1, "n", 1), d = integer(c, 2, "dim", -1);
    before = arg(c, 3, "prepend") ? operand(c, 3, "prepend") : NULL;
    after = arg(c, 4, "append") ? operand(c, 4, "append") : NULL;
    put(c, tg_diff(x, (int)n, d, before, after));
}
ADAPTER(a_trapezoid) {
    tg_tensor *y = self_of(c, 0, "y"), *x = arg(c, 1, "x") ? operand(c, 1, "x") : NULL;
    double dx = number(c, -1, "dx", 1);
    put(c, tg_trapezoid(y, x, dx, integer(c, -1, "dim", -1)));
}
ADAPTER(a_batch_norm) {
    tg_tensor *x = self(c), *mean = arg(c, 1, "running_mean") ? operand(c, 1, "running_mean") : NULL, *var = arg(c, 2, "running_var") ? operand(c, 2, "running_var") : NULL,
              *w = arg(c, 3, "weight") ? operand(c, 3, "weight") : NULL, *b = arg(c, 4, "bias") ? operand(c, 4, "bias") : NULL;
    bool batch = strstr(c->op, "batch") != NULL, own = flag(c, 5, "training|use_input_stats", !batch);
    double momentum = number(c, 6, "momentum", 0.1), eps = number(c, 7, "eps", 1e-5);
    if (mean) mean = tg_clone(mean);                                   /* torch moves these too, and the case looks at what it gave */
    if (var) var = tg_clone(var);
    put(c, batch ? tg_batch_norm(x, mean, var, w, b, own, momentum, eps) : tg_instance_norm(x, mean, var, w, b, own, momentum, eps));
}
ADAPTER(a_layer_norm) {
    tg_tensor *x = self(c), *w, *b;
    ints shape = need_ints(c, 1, "normalized_shape");
    w = arg(c, 2, "weight") ? operand(c, 2, "weight") : NULL;
    if (strstr(c->op, "rms")) { put(c, tg_rms_norm(x, shape.n, shape.v, w, number(c, 3, "eps", -1))); return; }
    b = arg(c, 3, "bias") ? operand(c, 3, "bias") : NULL;
    put(c, tg_layer_norm(x, shape.n, shape.v, w, b, number(c, 4, "eps", 1e-5)));
}
ADAPTER(a_group_norm) {
    tg_tensor *x = self(c), *w, *b;
    int64_t groups = need_integer(c, 1, "num_groups");
    w = arg(c, 2, "weight") ? operand(c, 2, "weight") : NULL;
    b = arg(c, 3, "bias") ? operand(c, 3, "bias") : NULL;
    put(c, tg_group_norm(x, groups, w, b, number(c, 4, "eps", 1e-5)));
}
ADAPTER(a_local_response_norm) {
    tg_tensor *x = self(c);
    int64_t size = need_integer(c, 1, "size");
    double alpha = number(c, 2, "alpha", 1e-4), beta = number(c, 3, "beta", 0.75);
    put(c, tg_local_response_norm(x, size, alpha, beta, number(c, 4, "k", 1)));
}

/* ---- shape ---- */
ADAPTER(a_reshape) {
    tg_tensor *x = self(c);
    ints s = need_ints(c, 1, "shape|size");
    put(c, starts_with(c->op, "view") ? tg_view(x, s.n, s.v) : tg_reshape(x, s.n, s.v));
}
ADAPTER(a_reshape_as) {
    tg_tensor *x = self(c), *other = tensor(c, 1, "other");
    put(c, strcmp(c->op, "view_as") == 0 ? tg_view_as(x, other) : strcmp(c->op, "expand_as") == 0 ? tg_expand_as(x, other) : tg_reshape_as(x, other));
}
ADAPTER(a_permute)   { tg_tensor *x = self(c); ints d = need_ints(c, 1, "dims"); put(c, tg_permute(x, d.n, d.v)); }
ADAPTER(a_transpose) { tg_tensor *x = self(c); int64_t d = need_integer(c, 1, "dim0"); put(c, tg_transpose(x, d, need_integer(c, 2, "dim1"))); }
ADAPTER(a_t)         { put(c, tg_t(self(c))); }
ADAPTER(a_mT)        { put(c, tg_transpose(self(c), -2, -1)); }
ADAPTER(a_T) {
    tg_tensor *x = self(c);
    int64_t dims[TG_MAX_DIMS];
    int i;
    for (i = 0; x && i < x->ndim; i++) dims[i] = x->ndim - 1 - i;
    if (x) put(c, x->ndim == 2 ? tg_t(x) : tg_permute(x, x->ndim, dims));
}
ADAPTER(a_flatten) { tg_tensor *x = self(c); int64_t s = integer(c, 1, "start_dim", 0); put(c, tg_flatten(x, s, integer(c, 2, "end_dim", -1))); }
ADAPTER(a_ravel)   { put(c, tg_ravel(self(c))); }
ADAPTER(a_squeeze) {
    tg_tensor *x = self(c);
    ints d = int_list(c, 1, "dim");
    put(c, !d.given ? tg_squeeze_all(x) : d.list ? tg_squeeze_dims(x, d.n, d.v) : tg_squeeze(x, d.v[0]));
}
ADAPTER(a_unsqueeze) { tg_tensor *x = self(c); put(c, tg_unsqueeze(x, need_integer(c, 1, "dim"))); }
ADAPTER(a_expand) {
    tg_tensor *x = self(c);
    ints s = need_ints(c, 1, "size");
    if (arg(c, -1, "implicit")) skip(c, "implicit");
    put(c, strcmp(c->op, "expand") == 0 ? tg_expand(x, s.n, s.v) : tg_broadcast_to(x, s.n, s.v));
}
ADAPTER(a_unflatten) {
    tg_tensor *x = self(c);
    int64_t dim = need_integer(c, 1, "dim");
    ints s = need_ints(c, 2, "sizes");
    put(c, tg_unflatten(x, dim, s.n, s.v));
}
ADAPTER(a_movedim) {
    tg_tensor *x = self(c);
    ints s = need_ints(c, 1, "source"), d = need_ints(c, 2, "destination");
    put(c, tg_movedim(x, s.n, s.v, d.n, d.v));
}
ADAPTER(a_narrow) {
    tg_tensor *x = self(c);
    int64_t dim = need_integer(c, 1, "dim"), start = need_integer(c, 2, "start"), length = need_integer(c, 3, "length");
    if (start < 0 && start >= -size_at(x, dim)) start += size_at(x, dim);
    put(c, tg_narrow(x, dim, start, length));
}
ADAPTER(a_select) { tg_tensor *x = self(c); int64_t d = need_integer(c, 1, "dim"); put(c, tg_select(x, d, need_integer(c, 2, "index"))); }
ADAPTER(a_unbind) {
    tg_tensor *x = self(c), *pieces[MAX_TENSORS] = { NULL };
    int i, count = tg_unbind(x, integer(c, 1, "dim", 0), pieces, MAX_TENSORS);
    for (i = 0; i < count; i++) put(c, pieces[i]);
}
ADAPTER(a_split) {            /* split, chunk, split_with_sizes */
    tg_tensor *x = self(c), *pieces[MAX_TENSORS] = { NULL };
    val *v = need(c, 1, "split_size_or_sections|split_sizes|chunks");
    int64_t dim = integer(c, 2, "dim", 0);
    int i, count = 0;
    if (is_kind(v, V_LIST)) {
        ints sizes = ints_of(c, v);
        count = tg_split_sizes(x, sizes.n, sizes.v, dim, pieces);
    } else if (!is_kind(v, V_INT)) { skip(c, "no size"); return; }
    else count = strcmp(c->op, "chunk") == 0 ? tg_chunk(x, v->i, dim, pieces, MAX_TENSORS) : tg_split(x, v->i, dim, pieces, MAX_TENSORS);
    for (i = 0; i < count; i++) put(c, pieces[i]);
}
ADAPTER(a_tensor_split) {     /* tensor_split, hsplit, vsplit, dsplit */
    tg_tensor *x = self(c), *pieces[MAX_TENSORS] = { NULL };
    val *v = need(c, 1, "sections|indices|tensor_indices_or_sections|indices_or_sections");
    int64_t dim = c->op[0] == 't' ? integer(c, 2, "dim", 0) : 0;
    int i, n, count;
    if (is_kind(v, V_INT)) {
        if (v->i < -1000 || v->i > MAX_TENSORS) { skip(c, "many pieces"); return; }
        n = (int)v->i;
        count = c->op[0] == 'h' ? tg_hsplit(x, n, pieces) : c->op[0] == 'v' ? tg_vsplit(x, n, pieces) : c->op[0] == 'd' ? tg_dsplit(x, n, pieces)
            : tg_tensor_split(x, n, dim, pieces);
    } else {
        ints s = ints_of(c, v);
        count = c->op[0] == 'h' ? tg_hsplit_at(x, s.n, s.v, pieces) : c->op[0] == 'v' ? tg_vsplit_at(x, s.n, s.v, pieces)
            : c->op[0] == 'd' ? tg_dsplit_at(x, s.n, s.v, pieces) : tg_tensor_split_at(x, s.n, s.v, dim, pieces);
    }
    for (i = 0; i < count; i++) put(c, pieces[i]);
}
ADAPTER(a_cat) {              /* cat, stack */
    tensors l = tensor_list(c, 0, "tensors");
    int64_t dim = integer(c, 1, "dim", 0);
    if (!l.n) { skip(c, "an empty list belongs to no context"); return; }
    put(c, strcmp(c->op, "stack") == 0 ? tg_stack(l.t, l.n, dim) : tg_cat(l.t, l.n, dim));
}
ADAPTER(a_hstack) {           /* hstack, vstack, dstack, column_stack, block_diag, cartesian_prod */
    tensors l = tensor_list(c, 0, "tensors");
    if (!l.n) { skip(c, "an empty list belongs to no context"); return; }
    if (strcmp(c->op, "block_diag") == 0) put(c, tg_block_diag(l.t, l.n));
    else if (strcmp(c->op, "cartesian_prod") == 0) put(c, tg_cartesian_prod(l.t, l.n));
    else if (strcmp(c->op, "column_stack") == 0) put(c, tg_column_stack(l.t, l.n));
    else put(c, c->op[0] == 'h' ? tg_hstack(l.t, l.n) : c->op[0] == 'v' ? tg_vstack(l.t, l.n) : tg_dstack(l.t, l.n));
}
ADAPTER(a_atleast) {
    const val *v = need(c, 0, "tensors|" SELF);
    const function1 f = c->op[8] == '1' ? (tg_atleast_1d) : c->op[8] == '2' ? (tg_atleast_2d) : (tg_atleast_3d);
    int i;
    if (is_kind(v, V_LIST)) { tensors l = tensor_list(c, 0, "tensors"); for (i = 0; i < l.n; i++) put(c, f(l.t[i])); }
    else put(c, f(self(c)));
}
ADAPTER(a_contiguous) { put(c, tg_contiguous(self(c))); }
ADAPTER(a_clone)      { put(c, tg_clone(self(c))); }
ADAPTER(a_to) {
    static const struct { const char *name; tg_dtype dtype; } names[] = { { "float", TG_F32 }, { "double", TG_F64 }, { "half", TG_F16 }, { "bfloat16", TG_BF16 },
        { "long", TG_I64 }, { "int", TG_I32 }, { "short", TG_I16 }, { "char", TG_I8 }, { "byte", TG_U8 }, { "bool", TG_BOOL } };
    tg_tensor *x = self(c);
    size_t i;
    if (strcmp(c->op, "to") == 0) { if (need(c, 1, "dtype")) put(c, tg_to(x, dtype(c, 1, "dtype", TG_F32))); return; }
    for (i = 0; i < sizeof names / sizeof names[0]; i++) if (strcmp(names[i].name, c->op) == 0) put(c, tg_to(x, names[i].dtype));
}
ADAPTER(a_item) {
    tg_tensor *x = self(c);
    if (!x) return;
    if (tg_dtype_is_float(x->dtype)) put_num(c, tg_item(x));
    else if (x->dtype == TG_BOOL) put_bool(c, tg_item_i64(x) != 0);
    else put_int(c, tg_item_i64(x));
}
ADAPTER(a_meshgrid) {
    tensors l = tensor_list(c, 0, "tensors");
    tg_tensor *out[MAX_TENSORS] = { NULL };
    const char *order = word(c, 1, "indexing", "ij");
    int i;
    if (strcmp(order, "xy") != 0 && strcmp(order, "ij") != 0) { skip(c, "another order"); return; }
    if (tg_meshgrid(l.t, l.n, strcmp(order, "xy") == 0, out)) for (i = 0; i < l.n; i++) put(c, out[i]);
}
ADAPTER(a_combinations) {
    tg_tensor *x = self(c);
    int64_t r = integer(c, 1, "r", 2);
    put(c, tg_combinations(x, r, flag(c, 2, "with_replacement", false)));
}
ADAPTER(a_broadcast_tensors) {
    tensors l = tensor_list(c, 0, "tensors");
    tg_tensor *out[MAX_TENSORS] = { NULL };
    int i;
    if (tg_broadcast_tensors(l.t, l.n, out)) for (i = 0; i < l.n; i++) put(c, out[i]);
}
ADAPTER(a_broadcast_shapes) {
    int64_t shape[TG_MAX_DIMS];
    int i, n = 0;
    for (i = 0; i < c->args->count && n >= 0; i++) { ints s = need_ints(c, i, ""); n = tg_broadcast_shapes(c->tg, n, shape, s.n, s.v, shape); }
    if (n >= 0) put_ints(c, n, shape);
}
ADAPTER(a_as_strided) {
    tg_tensor *x = self(c);
    ints size = need_ints(c, 1, "size"), stride = need_ints(c, 2, "stride");
    if (size.n != stride.n) skip(c, "sizes and strides differ in number");
    put(c, tg_as_strided(x, size.n, size.v, stride.v, integer(c, 3, "storage_offset", 0)));        /* arguments begin with their storage */
}
ADAPTER(a_unfold) {
    tg_tensor *x = self(c);
    int64_t dim = need_integer(c, 1, "dimension"), size = need_integer(c, 2, "size");
    put(c, tg_unfold(x, dim, size, need_integer(c, 3, "step")));
}
ADAPTER(a_diagonal) {         /* diagonal, diag_embed, linalg.diagonal */
    tg_tensor *x = self(c);
    bool last = strcmp(c->op, "diagonal") != 0, embed = strcmp(c->op, "diag_embed") == 0;
    int64_t offset = integer(c, 1, "offset", 0), d = integer(c, 2, "dim1", last ? -2 : 0), e = integer(c, 3, "dim2", last ? -1 : 1);
    put(c, embed ? tg_diag_embed(x, offset, d, e) : tg_diagonal(x, offset, d, e));
}
ADAPTER(a_diag) {             /* diag, diagflat, tril, triu */
    tg_tensor *x = self(c);
    int64_t k = integer(c, 1, "diagonal|offset", 0);
    if (c->op[0] == 'd') put(c, strcmp(c->op, "diag") == 0 ? tg_diag(x, k) : tg_diagflat(x, k));
    else if (c->op[3] == 'l') put(c, c->in_place ? tg_tril_(x, k) : tg_tril(x, k));
    else put(c, c->in_place ? tg_triu_(x, k) : tg_triu(x, k));
}
ADAPTER(a_trace) { put(c, tg_trace(self(c))); }
ADAPTER(a_flip) {
    tg_tensor *x = self(c);
    if (strcmp(c->op, "flip") == 0) { ints d = need_ints(c, 1, "dims"); put(c, tg_flip(x, d.n, d.v)); }
    else put(c, strcmp(c->op, "fliplr") == 0 ? tg_fliplr(x) : tg_flipud(x));
}
ADAPTER(a_rot90) {
    tg_tensor *x = self(c);
    int64_t k = integer(c, 1, "k", 1);
    ints d = int_list(c, 2, "dims");
    if (!d.given) { d.n = 2; d.v[0] = 0; d.v[1] = 1; }
    if (d.n != 2) { skip(c, "not two dimensions"); return; }
    put(c, tg_rot90(x, (int)k, d.v[0], d.v[1]));
}
ADAPTER(a_roll) {
    tg_tensor *x = self(c);
    ints s = need_ints(c, 1, "shifts"), d = int_list(c, 2, "dims");
    put(c, tg_roll(x, s.n, s.v, d.n, d.v));
}
ADAPTER(a_repeat) {           /* repeat, tile */
    tg_tensor *x = self(c);
    ints r = need_ints(c, 1, "repeats|dims");
    put(c, strcmp(c->op, "repeat") == 0 ? tg_repeat(x, r.n, r.v) : tg_tile(x, r.n, r.v));
}
ADAPTER(a_repeat_interleave) {
    tg_tensor *x = self(c), *r = operand(c, 1, "repeats");
    const val *d = arg(c, 2, "dim");
    (void)arg(c, -1, "output_size");
    put(c, d ? tg_repeat_interleave_dim(x, r, integer(c, 2, "dim", 0)) : tg_repeat_interleave(x, r));
}

/* ---- index ---- */
static void put_bound(text *t, const val *v) { if (v && v->kind == V_INT) say(t, "%lld", (long long)v->i); }
/* Slices, numbers, "..." and None are one call; tensors, for which ":" stands there, another. */
ADAPTER(a_getitem) {
    tg_tensor *x = self(c), *list[TG_MAX_DIMS];
    const val *v = need(c, 1, "index"), *e;
    char buffer[512];
    text t = { NULL, 0, 0 };
    int i, k, n = 0, takes = 0, last = 0;
    bool several = is_kind(v, V_LIST), others = false;
    t.out = buffer; t.room = sizeof buffer; buffer[0] = 0;
    if (!x || !v) return;
    for (e = several ? v->first : v; e; e = several ? e->next : NULL)
        takes += e->kind == V_TENSOR ? e->t->dtype == TG_BOOL ? e->t->ndim : 1 : e->kind == V_INT || e->kind == V_SLICE;
    for (e = several ? v->first : v, i = 0; e; e = several ? e->next : NULL, i++) {
        if (i) say(&t, ", ");
        for (k = 0; e->kind == V_ELLIPSIS && k < x->ndim - takes && n < TG_MAX_DIMS; k++) list[n++] = NULL;
        if (e->kind == V_INT) say(&t, "%lld", (long long)e->i);
        else if (e->kind == V_SLICE) {
            put_bound(&t, child(e, 0)); say(&t, ":"); put_bound(&t, child(e, 1));
            if (is_kind(child(e, 2), V_INT)) { say(&t, ":"); put_bound(&t, child(e, 2)); }
        } else if (e->kind == V_ELLIPSIS) say(&t, "...");
        else if (e->kind == V_NEWAXIS) say(&t, "None");
        else if (e->kind == V_TENSOR) for (k = 0; k < (e->t->dtype == TG_BOOL ? e->t->ndim : 1); k++) say(&t, k ? ", :" : ":");
        else { skip(c, "another index"); return; }
        if (e->kind != V_TENSOR) others = true;
        if (n >= TG_MAX_DIMS) { skip(c, "more than TG_MAX_DIMS indices"); return; }
        if (e->kind == V_TENSOR) { list[n++] = e->t; last = n; }
        else if (e->kind == V_SLICE || e->kind == V_NEWAXIS) list[n++] = NULL;
    }
    if (others) x = tg_slice(x, buffer);
    put(c, last ? tg_index(x, list, last) : x);
}
ADAPTER(a_gather) { tg_tensor *x = self(c); int64_t d = need_integer(c, 1, "dim"); put(c, tg_gather(x, d, tensor(c, 2, "index"))); }
ADAPTER(a_scatter) {          /* scatter, scatter_add */
    tg_tensor *x = self(c), *index, *src;
    int64_t dim = need_integer(c, 1, "dim");
    const char *reduce = word(c, -1, "reduce", NULL);
    index = tensor(c, 2, "index"); src = operand(c, 3, "src|value");
    if (reduce && strcmp(reduce, "multiply") != 0 && strcmp(reduce, "add") != 0) skip(c, "another reduction");
    if (reduce && strcmp(reduce, "multiply") == 0)
        put(c, c->in_place ? tg_scatter_reduce_(x, dim, index, src, TG_SCATTER_PROD, true) : tg_scatter_reduce(x, dim, index, src, TG_SCATTER_PROD, true));
    else if (starts_with(c->op, "scatter_add") || (reduce && strcmp(reduce, "add") == 0)) put(c, c->in_place ? tg_scatter_add_(x, dim, index, src) : tg_scatter_add(x, dim, index, src));
    else put(c, c->in_place ? tg_scatter_(x, dim, index, src) : tg_scatter(x, dim, index, src));
}
static tg_scatter_kind scatter_kind(call *c, const char *name) {
    static const char *const names[] = { "sum", "prod", "mean", "amax", "amin" };
    int i;
    for (i = 0; i < 5; i++) if (strcmp(names[i], name) == 0) return (tg_scatter_kind)i;
    skip(c, "another reduction");
    return TG_SCATTER_SUM;
}
ADAPTER(a_scatter_reduce) {   /* scatter_reduce, index_reduce */
    tg_tensor *x = self(c), *index = tensor(c, 2, "index"), *src = tensor(c, 3, "src|source");
    int64_t dim = need_integer(c, 1, "dim");
    tg_scatter_kind kind = scatter_kind(c, word(c, 4, "reduce", ""));
    bool include = flag(c, 5, "include_self", true);
    put(c, c->op[0] == 'i' ? tg_index_reduce(x, dim, index, src, kind, include) : (c->in_place ? tg_scatter_reduce_ : tg_scatter_reduce)(x, dim, index, src, kind, include));
}
ADAPTER(a_index_select) { tg_tensor *x = self(c); int64_t d = need_integer(c, 1, "dim"); put(c, tg_index_select(x, d, tensor(c, 2, "index"))); }
ADAPTER(a_index_add) {
    tg_tensor *x = self(c), *index, *src;
    int64_t dim = need_integer(c, 1, "dim");
    const val *alpha = arg(c, -1, "alpha");
    index = tensor(c, 2, "index"); src = tensor(c, 3, "source");
    if (alpha) src = tg_mul(src, operand_of(c, alpha));
    put(c, c->in_place ? tg_index_add_(x, dim, index, src) : tg_index_add(x, dim, index, src));
}
ADAPTER(a_index_copy) {       /* index_copy, index_fill */
    tg_tensor *x = self(c), *index;
    int64_t dim = need_integer(c, 1, "dim");
    const val *v = need(c, 3, "source|value");
    index = tensor(c, 2, "index");
    if (starts_with(c->op, "index_copy")) put(c, c->in_place ? tg_index_copy_(x, dim, index, tensor_of(c, v)) : tg_index_copy(x, dim, index, tensor_of(c, v)));
    else if (is_scalar(v)) put(c, c->in_place ? tg_index_fill_(x, dim, index, v->n) : tg_index_fill(x, dim, index, v->n));
    else if (c->in_place) put(c, tg_copy_(x, tg_index_fill_tensor(x, dim, index, tensor_of(c, v))));
    else put(c, tg_index_fill_tensor(x, dim, index, tensor_of(c, v)));
}
ADAPTER(a_masked_fill) {
    tg_tensor *x = self(c), *mask = tensor(c, 1, "mask");
    const val *v = need(c, 2, "value");
    if (!x || !mask || !v) return;
    if (v->kind == V_TENSOR) { tg_tensor *y = tg_masked_fill_tensor(x, mask, v->t); put(c, c->in_place ? tg_copy_(x, y) : y); }
    else put(c, c->in_place ? tg_masked_fill_(x, mask, v->n) : tg_masked_fill(x, mask, v->n));
}
ADAPTER(a_take) {
    tg_tensor *x = self(c);
    put(c, tg_take(x, tensor(c, 1, "index")));
}
ADAPTER(a_take_along_dim) {
    tg_tensor *x = self(c), *index = tensor(c, 1, "indices");
    int64_t dim = integer(c, 2, "dim", 0);
    if (!arg(c, 2, "dim")) put(c, tg_take(x, tg_flatten(index, 0, -1)));
    else put(c, tg_take_along_dim(x, index, dim));
}

/* ---- sort ---- */
ADAPTER(a_sort) {             /* sort, argsort, msort: the library's order is always stable */
    tg_tensor *x = self(c), *y, *indices = NULL;
    bool args = strcmp(c->op, "argsort") == 0, first = strcmp(c->op, "msort") == 0;
    int64_t dim = first ? 0 : integer(c, 1, "dim", -1);
    bool down = flag(c, 2, "descending", false);
    (void)flag(c, -1, "stable", false);
    y = tg_sort(x, dim, down, &indices);
    if (!args) put(c, y);
    if (!first) put(c, indices);
}
ADAPTER(a_topk) {
    tg_tensor *x = self(c), *y, *indices = NULL;
    int64_t k = need_integer(c, 1, "k"), dim = integer(c, 2, "dim", -1);
    bool largest = flag(c, 3, "largest", true);
    (void)flag(c, 4, "sorted", true);
    y = tg_topk(x, k, dim, largest, &indices);
    put(c, y); put(c, indices);
}
ADAPTER(a_kthvalue) {
    tg_tensor *x = self(c), *y, *indices = NULL;
    int64_t k = need_integer(c, 1, "k"), dim = integer(c, 2, "dim", -1);
    y = tg_kthvalue(x, k, dim, flag(c, 3, "keepdim", false), &indices);
    put(c, y); put(c, indices);
}

/* ---- creation ---- */
ADAPTER(a_zeros) {            /* zeros, ones, empty, rand, randn */
    ints s = need_ints(c, 0, "size");
    tg_dtype d = dtype_kwarg(c, TG_F32);
    if (strcmp(c->op, "zeros") == 0) put(c, d == TG_F32 ? tg_zeros(c->tg, s.n, s.v) : tg_full(c->tg, s.n, s.v, 0, d));
    else if (strcmp(c->op, "ones") == 0) put(c, d == TG_F32 ? tg_ones(c->tg, s.n, s.v) : tg_full(c->tg, s.n, s.v, 1, d));
    else if (strcmp(c->op, "empty") == 0) put(c, tg_empty(c->tg, s.n, s.v, d));
    else if (strcmp(c->op, "rand") == 0) put(c, d == TG_F32 ? tg_rand(c->tg, s.n, s.v) : tg_uniform_(tg_empty(c->tg, s.n, s.v, d), 0, 1));
    else put(c, d == TG_F32 ? tg_randn(c->tg, s.n, s.v) : tg_normal_(tg_empty(c->tg, s.n, s.v, d), 0, 1));
}
static tg_dtype python_dtype(const val *v) { return is_kind(v, V_BOOL) ? TG_BOOL : is_kind(v, V_INT) ? TG_I64 : TG_F32; }
ADAPTER(a_full) {
    ints s = need_ints(c, 0, "size");
    const val *v = need(c, 1, "fill_value");
    put(c, tg_full(c->tg, s.n, s.v, number(c, 1, "fill_value", 0), dtype_kwarg(c, python_dtype(v))));
}
ADAPTER(a_like) {             /* X_like; new_X */
    tg_tensor *x = self(c);
    bool like = ends_with(c->op, "_like");
    const char *what = like ? c->op : c->op + strlen("new_");
    bool full = starts_with(what, "full");
    tg_dtype d = dtype_kwarg(c, x ? x->dtype : TG_F32);
    ints s = like ? ints_of(c, NULL) : need_ints(c, 1, "size");
    double v = full ? number(c, like ? 1 : 2, "fill_value", 0) : starts_with(what, "ones") ? 1 : 0;
    if (!x) return;
    if (like && d != x->dtype) {            /* of another dtype: the same that new_X makes, for x's shape */
        s.n = x->ndim;
        memcpy(s.v, x->shape, sizeof s.v);
        like = false;
    }
    if (strcmp(what, "rand_like") == 0) put(c, tg_rand_like(like ? x : tg_new_empty(x, s.n, s.v, d)));
    else if (strcmp(what, "randn_like") == 0) put(c, tg_randn_like(like ? x : tg_new_empty(x, s.n, s.v, d)));
    else if (starts_with(what, "empty")) put(c, like ? tg_empty_like(x) : tg_new_empty(x, s.n, s.v, d));
    else if (full) put(c, like ? tg_full_like(x, v) : tg_new_full(x, s.n, s.v, v, d));
    else if (v != 0) put(c, like ? tg_ones_like(x) : d == x->dtype ? tg_new_ones(x, s.n, s.v) : tg_new_full(x, s.n, s.v, 1, d));
    else put(c, like ? tg_zeros_like(x) : d == x->dtype ? tg_new_zeros(x, s.n, s.v) : tg_new_full(x, s.n, s.v, 0, d));
}
ADAPTER(a_randint) {          /* (high, size), (low, high, size) */
    bool two = is_kind(child(c->args, 2), V_LIST);
    int64_t low = two ? need_integer(c, 0, "low") : 0, high = need_integer(c, two ? 1 : 0, "high");
    ints s = need_ints(c, two ? 2 : 1, "size");
    put(c, tg_to(tg_randint(c->tg, low, high, s.n, s.v), dtype_kwarg(c, TG_I64)));
}
ADAPTER(a_randint_like) {     /* (self, high), (self, low, high) */
    tg_tensor *x = self(c);
    bool two = is_kind(child(c->args, 2), V_INT);
    int64_t low = two ? need_integer(c, 1, "low") : 0, high = need_integer(c, two ? 2 : 1, "high");
    tg_dtype d = dtype_kwarg(c, x ? x->dtype : TG_F32);
    if (x) put(c, tg_randint_like(d == x->dtype ? x : tg_new_empty(x, x->ndim, x->shape, d), low, high));
}
ADAPTER(a_normal) {
    const val *mean = need(c, 0, "mean"), *std = need(c, 1, "std");
    ints s = int_list(c, 2, "size");
    if (is_scalar(mean) && is_scalar(std) && s.given) put(c, tg_normal_(tg_empty(c->tg, s.n, s.v, dtype_kwarg(c, TG_F32)), mean->n, std->n));
    else put(c, tg_normal(operand_of(c, mean), operand_of(c, std)));
}
ADAPTER(a_multinomial) {
    tg_tensor *x = self(c);
    int64_t n = need_integer(c, 1, "num_samples");
    put(c, tg_multinomial(x, n, flag(c, 2, "replacement", false)));
}
ADAPTER(a_randperm) { put(c, tg_randperm(c->tg, need_integer(c, 0, "n"))); }
ADAPTER(a_linspace) {         /* linspace, logspace */
    bool logs = strcmp(c->op, "logspace") == 0;
    const val *start = need(c, 0, "start"), *end = need(c, 1, "end");
    int64_t steps = need_integer(c, 2, "steps");
    tg_dtype d = dtype_kwarg(c, TG_F32);
    double base = logs ? number(c, 3, "base", 10) : 10;
    if (!is_scalar(start) || !is_scalar(end)) { skip(c, "the ends are tensors"); return; }
    put(c, logs ? tg_logspace(c->tg, start->n, end->n, steps, base, d) : tg_linspace(c->tg, start->n, end->n, steps, d));
}
ADAPTER(a_tril_indices) {
    int64_t rows = need_integer(c, 0, "row"), columns = need_integer(c, 1, "col"), offset = integer(c, 2, "offset", 0);
    tg_dtype d = dtype_kwarg(c, TG_I64);
    put(c, c->op[3] == 'l' ? tg_tril_indices(c->tg, rows, columns, offset, d) : tg_triu_indices(c->tg, rows, columns, offset, d));
}
ADAPTER(a_bernoulli) { put(c, tg_bernoulli(self(c))); }
ADAPTER(a_arange) {
    bool one = !child(c->args, 1) && !field(c->kwargs, "end");
    const val *start = one ? NULL : need(c, 0, "start"), *end = need(c, one ? 0 : 1, "end"), *step = arg(c, 2, "step");
    bool real = is_kind(start, V_NUM) || is_kind(end, V_NUM) || is_kind(step, V_NUM);
    double from = one ? 0 : number(c, 0, "start", 0), to = number(c, one ? 0 : 1, "end", 0);
    put(c, tg_arange(c->tg, from, to, number(c, 2, "step", 1), dtype_kwarg(c, real ? TG_F32 : TG_I64)));
}
ADAPTER(a_eye) {
    int64_t n = need_integer(c, 0, "n"), m = integer(c, 1, "m", n);
    tg_dtype d = dtype_kwarg(c, TG_F32);
    put(c, n == m && d == TG_F32 ? tg_eye(c->tg, n) : tg_eye_sized(c->tg, n, m, d));
}

/* ---- matmul ---- */
#define OTHER "other|mat2|vec|tensor|vec2|y"
ADAPTER(a_matmul) {           /* matmul; mm, bmm, mv, dot, vdot, outer, inner, kron */
    static const struct { const char *name; function2 f; } names[] = { { "matmul", tg_matmul }, { "mm", tg_mm }, { "bmm", tg_bmm }, { "mv", tg_mv }, { "dot", tg_dot },
        { "vdot", tg_vdot }, { "outer", tg_outer }, { "inner", tg_inner }, { "kron", tg_kron } };
    tg_tensor *a = self(c), *b = tensor(c, 1, OTHER);
    size_t i;
    for (i = 0; i < sizeof names / sizeof names[0]; i++) if (strcmp(names[i].name, c->op) == 0) put(c, names[i].f(a, b));
}
ADAPTER(a_vecdot) { tg_tensor *a = self(c), *b = tensor(c, 1, OTHER); put(c, tg_vecdot(a, b, integer(c, -1, "dim", -1))); }
ADAPTER(a_addmm) {            /* addmm, addmv, addr, addbmm, baddbmm, and in place */
    typedef tg_tensor *(*added)(tg_tensor *x, tg_tensor *a, tg_tensor *b, double beta, double alpha);
    static const struct { const char *name; added f; } names[] = { { "addmm", tg_addmm }, { "addmm_", tg_addmm_ }, { "addmv", tg_addmv }, { "addmv_", tg_addmv_ }, { "addr", tg_addr },
        { "addr_", tg_addr_ }, { "addbmm", tg_addbmm }, { "addbmm_", tg_addbmm_ }, { "baddbmm", tg_baddbmm }, { "baddbmm_", tg_baddbmm_ } };
    tg_tensor *x = self(c), *a = tensor(c, 1, "mat1|mat|batch1|vec1"), *b = tensor(c, 2, "mat2|vec|batch2|vec2");
    double beta = number(c, -1, "beta", 1), alpha = number(c, -1, "alpha", 1);
    size_t i;
    for (i = 0; i < sizeof names / sizeof names[0]; i++) if (strcmp(names[i].name, c->op) == 0) put(c, names[i].f(x, a, b, beta, alpha));
}
ADAPTER(a_multi_dot) {
    tensors l = tensor_list(c, 0, "tensors");
    if (!l.n) { skip(c, "an empty list belongs to no context"); return; }
    put(c, tg_multi_dot(l.t, l.n));
}
ADAPTER(a_einsum) {
    const char *equation = word(c, 0, "equation", NULL);
    tensors l = tensor_list(c, 1, "tensors|operands");
    if (!l.n || !equation) { skip(c, "an empty list belongs to no context"); return; }
    put(c, tg_einsum(equation, l.t, l.n));
}
ADAPTER(a_tensordot) {
    tg_tensor *a = self(c), *b = tensor(c, 1, "b");
    const val *v = arg(c, 2, "dims");
    if (is_kind(v, V_LIST)) {
        ints da = ints_of(c, child(v, 0)), db = ints_of(c, child(v, 1));
        put(c, tg_tensordot_dims(a, b, da.n, da.v, db.n, db.v));
    } else put(c, tg_tensordot(a, b, integer(c, 2, "dims", 2)));
}
ADAPTER(a_matrix_power) {
    tg_tensor *x = self(c);
    int64_t n = need_integer(c, 1, "n");
    if (n < 0) { skip(c, "the library has no inverse of matrices"); return; }
    put(c, tg_matrix_power(x, n));
}
ADAPTER(a_matrix_exp) { put(c, tg_matrix_exp(self(c))); }
ADAPTER(a_cross) {            /* cross, linalg.cross */
    tg_tensor *a = self(c), *b = tensor(c, 1, "other");
    if (arg(c, 2, "dim") || starts_with(c->op, "linalg.")) put(c, tg_cross_dim(a, b, integer(c, 2, "dim", -1)));
    else put(c, tg_cross(a, b));
}
ADAPTER(a_vander) {
    tg_tensor *x = self(c);
    put(c, tg_linalg_vander(x, integer(c, -1, "N", x && x->ndim ? size_at(x, -1) : 1)));
}
ADAPTER(a_cov) {
    tg_tensor *x = self(c), *f = maybe_tensor(c, -1, "fweights"), *w = maybe_tensor(c, -1, "aweights");
    tg_maybe correction = TG_IS(integer(c, -1, "correction", 1));
    put(c, tg_cov(x, .aweights = w, .correction = correction, .fweights = f));
}
ADAPTER(a_corrcoef) { put(c, tg_corrcoef(self(c))); }
ADAPTER(a_cdist) {
    tg_tensor *a = self_of(c, 0, "x1"), *b = tensor(c, 1, "x2");
    double p = number(c, 2, "p", 2);
    const char *mode = word(c, 3, "compute_mode", "use_mm_for_euclid_dist_if_necessary");
    put(c, tg_cdist(a, b, p, strcmp(mode, "use_mm_for_euclid_dist") == 0 ? TG_CDIST_MATMUL : strcmp(mode, "donot_use_mm_for_euclid_dist") == 0 ? TG_CDIST_DIRECT : TG_CDIST_AUTO));
}

/* ---- nn ---- */
ADAPTER(a_leaky_relu) { tg_tensor *x = self(c); put(c, tg_leaky_relu(x, number(c, 1, "negative_slope", 0.01))); }
ADAPTER(a_elu)        { tg_tensor *x = self(c); put(c, tg_elu(x, number(c, 1, "alpha", 1))); }
ADAPTER(a_celu)       { tg_tensor *x = self(c); put(c, tg_celu(x, number(c, 1, "alpha", 1))); }
ADAPTER(a_hardtanh)   { tg_tensor *x = self(c); double low = number(c, 1, "min_val", -1); put(c, tg_hardtanh(x, low, number(c, 2, "max_val", 1))); }
ADAPTER(a_threshold)  { tg_tensor *x = self(c); double t = number(c, 1, "threshold", 0); put(c, tg_threshold(x, t, number(c, 2, "value", 0))); }
ADAPTER(a_hardshrink) { tg_tensor *x = self(c); put(c, tg_hardshrink(x, number(c, 1, "lambd", 0.5))); }
ADAPTER(a_softshrink) { tg_tensor *x = self(c); put(c, tg_softshrink(x, number(c, 1, "lambd", 0.5))); }
ADAPTER(a_prelu)      { tg_tensor *x = self(c); put(c, tg_prelu(x, operand(c, 1, "weight"))); }
ADAPTER(a_rrelu) {
    tg_tensor *x = self(c);
    double low = number(c, 1, "lower", 1.0 / 8), high = number(c, 2, "upper", 1.0 / 3);
    put(c, tg_rrelu(x, low, high, flag(c, 3, "training", false)));
}
ADAPTER(a_softplus)   { tg_tensor *x = self(c); double b = number(c, 1, "beta", 1); put(c, tg_softplus(x, b, number(c, 2, "threshold", 20))); }
ADAPTER(a_gelu) {
    tg_tensor *x = self(c);
    const char *how = word(c, -1, "approximate", "none");
    if (strcmp(how, "none") == 0) put(c, tg_gelu(x));
    else if (strcmp(how, "tanh") == 0) put(c, tg_gelu_tanh(x));
    else skip(c, "another approximation");
}
ADAPTER(a_softmax) {          /* softmax, log_softmax, softmin */
    tg_tensor *x = self(c);
    int64_t dim = need_integer(c, 1, "dim");
    const bool log = strcmp(c->op, "log_softmax") == 0, least = ends_with(c->op, "softmin");
    if (arg(c, 2, "dtype")) x = tg_to(least ? tg_neg(x) : x, dtype(c, 2, "dtype", TG_F32));      /* torch turns the sign before it converts: u8 wraps */
    put(c, log ? tg_log_softmax(x, dim) : least && !arg(c, 2, "dtype") ? tg_softmin(x, dim) : tg_softmax(x, dim));
}
ADAPTER(a_linear) { tg_tensor *x = self(c), *w = tensor(c, 1, "weight"); put(c, tg_linear(x, w, maybe_tensor(c, 2, "bias"))); }
ADAPTER(a_bilinear) {
    tg_tensor *a = self_of(c, 0, "input1"), *b = tensor(c, 1, "input2"), *w = tensor(c, 2, "weight");
    put(c, tg_bilinear(a, b, w, maybe_tensor(c, 3, "bias")));
}
ADAPTER(a_pairwise_distance) {
    tg_tensor *a = self_of(c, 0, "x1"), *b = tensor(c, 1, "x2");
    double p = number(c, 2, "p", 2), eps = number(c, 3, "eps", 1e-6);
    put(c, tg_pairwise_distance(a, b, p, eps, flag(c, 4, "keepdim", false)));
}
ADAPTER(a_cosine_similarity) {
    tg_tensor *a = self_of(c, 0, "x1"), *b = tensor(c, 1, "x2");
    int64_t dim = integer(c, 2, "dim", 1);
    put(c, tg_cosine_similarity(a, b, dim, number(c, 3, "eps", 1e-8)));
}
ADAPTER(a_normalize) {
    tg_tensor *x = self(c);
    double p = number(c, 1, "p", 2);
    int64_t dim = integer(c, 2, "dim", 1);
    put(c, tg_normalize(x, p, dim, number(c, 3, "eps", 1e-12)));
}
#define DROPS(name, training) ADAPTER(a_##name) { tg_tensor *x = self(c); double p = number(c, 1, "p", 0.5); put(c, tg_##name(x, p, flag(c, 2, "training", training))); }
DROPS(dropout, true) DROPS(dropout1d, true) DROPS(dropout2d, true) DROPS(dropout3d, true) DROPS(alpha_dropout, false) DROPS(feature_alpha_dropout, false)
ADAPTER(a_one_hot) { tg_tensor *x = self(c); put(c, tg_one_hot(x, integer(c, 1, "num_classes", -1))); }
ADAPTER(a_embedding) {        /* with max_norm rows of the table are rewritten: of a copy, for the arguments are looked at afterwards */
    tg_tensor *index = tensor(c, 0, "input"), *w = tensor(c, 1, "weight");
    if (arg(c, 3, "max_norm")) w = tg_clone(w);
    put(c, tg_embedding(index, w, .padding_idx = maybe(c, 2, "padding_idx"), .max_norm = maybe(c, 3, "max_norm"), .norm_type = maybe(c, 4, "norm_type"),
        .scale_grad_by_freq = flag(c, 5, "scale_grad_by_freq", false)));
}
ADAPTER(a_embedding_bag) {
    static const char *const modes[] = { "mean", "sum", "max" };
    tg_tensor *index = tensor(c, 0, "input"), *w = tensor(c, 1, "weight"), *offsets = maybe_tensor(c, 2, "offsets"), *weights = maybe_tensor(c, 7, "per_sample_weights");
    const char *mode = word(c, 6, "mode", "mean");
    int i = 0;
    if (arg(c, 3, "max_norm")) w = tg_clone(w);
    while (i < 3 && strcmp(modes[i], mode) != 0) i++;
    if (i == 3) skip(c, "another mode");
    put(c, tg_embedding_bag(index, w, .offsets = offsets, .per_sample_weights = weights, .mode = (tg_bag)i, .max_norm = maybe(c, 3, "max_norm"),
        .norm_type = maybe(c, 4, "norm_type"), .scale_grad_by_freq = flag(c, 5, "scale_grad_by_freq", false),
        .include_last_offset = flag(c, 8, "include_last_offset", false), .padding_idx = maybe(c, 9, "padding_idx")));
}
ADAPTER(a_glu) { tg_tensor *x = self(c); put(c, tg_glu(x, integer(c, 1, "dim", -1))); }

/* ---- losses ---- */
/* What torch does not know either is a reduction that the library refuses. */
static tg_reduction reduction(call *c, int at) {
    const char *how = word(c, at, "reduction", "mean");
    return strcmp(how, "mean") == 0 ? TG_LOSS_MEAN : strcmp(how, "sum") == 0 ? TG_LOSS_SUM : strcmp(how, "none") == 0 ? TG_LOSS_NONE
        : strcmp(how, "batchmean") == 0 ? TG_LOSS_BATCHMEAN : (tg_reduction)99;
}
/* An option whose zero is its default. */
static double above_zero(call *c, int at, const char *names) {
    double v = number(c, at, names, 1);
    if (v == 0) skip(c, "zero means one there");
    return v;
}
ADAPTER(a_mse_loss) {
    tg_tensor *x = self(c), *t = tensor(c, 1, "target");
    put(c, tg_mse_loss(x, t, .reduction = reduction(c, 2), .weight = maybe_tensor(c, 3, "weight")));
}
ADAPTER(a_l1_loss) {
    tg_tensor *x = self(c), *t = tensor(c, 1, "target");
    put(c, tg_l1_loss(x, t, .reduction = reduction(c, 2), .weight = maybe_tensor(c, 3, "weight")));
}
ADAPTER(a_smooth_l1_loss) {
    tg_tensor *x = self(c), *t = tensor(c, 1, "target");
    put(c, tg_smooth_l1_loss(x, t, .reduction = reduction(c, 2), .beta = maybe(c, 3, "beta")));
}
ADAPTER(a_huber_loss) {
    tg_tensor *x = self(c), *t = tensor(c, 1, "target");
    put(c, tg_huber_loss(x, t, .reduction = reduction(c, 2), .delta = maybe(c, 3, "delta"), .weight = maybe_tensor(c, 4, "weight")));
}
ADAPTER(a_cross_entropy) {
    tg_tensor *x = self(c), *t = tensor(c, 1, "target");
    put(c, tg_cross_entropy(x, t, .weight = maybe_tensor(c, 2, "weight"), .ignore_index = maybe(c, 3, "ignore_index"), .reduction = reduction(c, 4),
        .label_smoothing = number(c, 5, "label_smoothing", 0)));
}
ADAPTER(a_nll_loss) {
    tg_tensor *x = self(c), *t = tensor(c, 1, "target");
    put(c, tg_nll_loss(x, t, .weight = maybe_tensor(c, 2, "weight"), .ignore_index = maybe(c, 3, "ignore_index"), .reduction = reduction(c, 4)));
}
ADAPTER(a_binary_cross_entropy) {
    tg_tensor *x = self(c), *t = tensor(c, 1, "target");
    put(c, tg_binary_cross_entropy(x, t, .weight = maybe_tensor(c, 2, "weight"), .reduction = reduction(c, 3)));
}
ADAPTER(a_binary_cross_entropy_with_logits) {
    tg_tensor *x = self(c), *t = tensor(c, 1, "target");
    put(c, tg_binary_cross_entropy_with_logits(x, t, .weight = maybe_tensor(c, 2, "weight"), .reduction = reduction(c, 3), .pos_weight = maybe_tensor(c, 4, "pos_weight")));
}
ADAPTER(a_kl_div) {
    tg_tensor *x = self(c), *t = tensor(c, 1, "target");
    put(c, tg_kl_div(x, t, .reduction = reduction(c, 2), .log_target = flag(c, 3, "log_target", false)));
}
ADAPTER(a_margin_ranking_loss) {
    tg_tensor *x = tensor(c, 0, "input1"), *y = tensor(c, 1, "input2"), *t = tensor(c, 2, "target");
    put(c, tg_margin_ranking_loss(x, y, t, .margin = number(c, 3, "margin", 0), .reduction = reduction(c, 4)));
}
ADAPTER(a_cosine_embedding_loss) {
    tg_tensor *x = tensor(c, 0, "input1"), *y = tensor(c, 1, "input2"), *t = tensor(c, 2, "target");
    put(c, tg_cosine_embedding_loss(x, y, t, .margin = number(c, 3, "margin", 0), .reduction = reduction(c, 4)));
}
ADAPTER(a_hinge_embedding_loss) {
    tg_tensor *x = self(c), *t = tensor(c, 1, "target");
    put(c, tg_hinge_embedding_loss(x, t, .margin = maybe(c, 2, "margin"), .reduction = reduction(c, 3)));
}
ADAPTER(a_gaussian_nll_loss) {
    tg_tensor *x = self(c), *t = tensor(c, 1, "target"), *v = operand(c, 2, "var");
    put(c, tg_gaussian_nll_loss(x, t, v, .full = flag(c, 3, "full", false), .eps = maybe(c, 4, "eps"), .reduction = reduction(c, 5)));
}
ADAPTER(a_poisson_nll_loss) {
    tg_tensor *x = self(c), *t = tensor(c, 1, "target");
    put(c, tg_poisson_nll_loss(x, t, .no_log_input = !flag(c, 2, "log_input", true), .full = flag(c, 3, "full", false), .eps = maybe(c, 4, "eps"), .reduction = reduction(c, 5)));
}
ADAPTER(a_multi_margin_loss) {
    tg_tensor *x = self(c), *t = tensor(c, 1, "target");
    put(c, tg_multi_margin_loss(x, t, .p = (int)above_zero(c, 2, "p"), .margin = maybe(c, 3, "margin"), .weight = maybe_tensor(c, 4, "weight"), .reduction = reduction(c, 5)));
}
ADAPTER(a_multilabel_margin_loss) {
    tg_tensor *x = self(c), *t = tensor(c, 1, "target");
    put(c, tg_multilabel_margin_loss(x, t, .reduction = reduction(c, 2)));
}
ADAPTER(a_multilabel_soft_margin_loss) {
    tg_tensor *x = self(c), *t = tensor(c, 1, "target");
    put(c, tg_multilabel_soft_margin_loss(x, t, .weight = maybe_tensor(c, 2, "weight"), .reduction = reduction(c, 3)));
}
ADAPTER(a_soft_margin_loss) {
    tg_tensor *x = self(c), *t = tensor(c, 1, "target");
    put(c, tg_soft_margin_loss(x, t, .reduction = reduction(c, 2)));
}
static tg_tensor *tensor_or_list(call *c, int at, const char *names) {      /* of integers */
    const val *v = need(c, at, names), *e;
    int64_t list[MAX_TENSORS];
    int n = 0;
    if (!is_kind(v, V_LIST)) return tensor_of(c, v);
    for (e = v->first; e && n < MAX_TENSORS; e = e->next) list[n++] = e->i;
    return tg_from(c->tg, TG_SHAPE(n), TG_I64, list);
}
ADAPTER(a_ctc_loss) {
    tg_tensor *x = tensor(c, 0, "log_probs"), *t = tensor(c, 1, "targets"), *times = tensor_or_list(c, 2, "input_lengths"), *lengths = tensor_or_list(c, 3, "target_lengths");
    put(c, tg_ctc_loss(x, t, times, lengths, .blank = integer(c, 4, "blank", 0), .reduction = reduction(c, 5), .zero_infinity = flag(c, 6, "zero_infinity", false)));
}
ADAPTER(a_pdist) { tg_tensor *x = self(c); put(c, tg_pdist(x, number(c, 1, "p", 2))); }
ADAPTER(a_triplet_margin_loss) {
    tg_tensor *x = tensor(c, 0, "anchor"), *y = tensor(c, 1, "positive"), *z = tensor(c, 2, "negative");
    put(c, tg_triplet_margin_loss(x, y, z, .margin = above_zero(c, 3, "margin"), .p = maybe(c, 4, "p"), .eps = maybe(c, 5, "eps"), .swap = flag(c, 6, "swap", false),
        .reduction = reduction(c, 7)));
}

/* ---- utilities of nn ---- */
ADAPTER(a_parameters_to_vector) {
    tensors l = tensor_list(c, 0, "parameters");
    int i;
    if (!l.n) { skip(c, "an empty list belongs to no context"); return; }
    for (i = 0; i < l.n; i++) l.t[i] = tg_flatten(l.t[i], 0, -1);
    put(c, tg_cat(l.t, l.n, 0));
}

/* ---- scan ---- */
static tg_tensor *scanned(call *c, int64_t *dim) { *dim = integer(c, 1, "dim", 0); return self(c); }
/* with `dtype`: x is converted, and so is the result (sums of i32 are i64) */
static void scan_as(call *c, tg_tensor *(*scan)(tg_tensor *x, int64_t dim), tg_tensor *(*scan_)(tg_tensor *x, int64_t dim)) {
    int64_t d;
    tg_tensor *x = scanned(c, &d);
    const tg_dtype as = dtype_kwarg(c, TG_F32);
    if (!arg(c, -1, "dtype")) put(c, c->in_place ? scan_(x, d) : scan(x, d));
    else put(c, tg_to(scan(tg_to(x, as), d), as));
}
ADAPTER(a_cumsum)  { scan_as(c, (tg_cumsum), (tg_cumsum_)); }
ADAPTER(a_cumprod) { scan_as(c, (tg_cumprod), (tg_cumprod_)); }
ADAPTER(a_cummax)  { int64_t d; tg_tensor *places, *x = scanned(c, &d); put(c, tg_cummax(x, d, &places)); put(c, places); }
ADAPTER(a_cummin)  { int64_t d; tg_tensor *places, *x = scanned(c, &d); put(c, tg_cummin(x, d, &places)); put(c, places); }
ADAPTER(a_logcumsumexp) { int64_t d; tg_tensor *x = scanned(c, &d); put(c, tg_logcumsumexp(x, d)); }

/* ---- window ---- */
static int dims_of(call *c) { return (int)(c->op[strlen(c->op) - 2] - '0'); }            /* the 2 of conv2d */
/* One number for all dimensions, or one for each. */
static void spread(call *c, int dims, ints from, int64_t absent, bool zero_is_default, int64_t *to) {
    int d;
    if (from.n > 1 && from.n != dims) skip(c, "too many numbers");
    for (d = 0; d < dims; d++) {
        to[d] = from.n ? from.v[from.n == dims ? d : 0] : absent;
        if (zero_is_default && to[d] == 0) skip(c, "zero means one there");
    }
}
typedef struct conv_options { tg_tensor *x, *w, *b; int64_t stride[3], padding[3], more[3], dilation[3], groups; bool same; } conv_options;
static conv_options conv_operands(call *c, int groups_at, int dilation_at) {
    conv_options o;
    memset(&o, 0, sizeof o);
    o.x = self(c); o.w = tensor(c, 1, "weight"); o.b = maybe_tensor(c, 2, "bias");
    spread(c, dims_of(c), int_list(c, 3, "stride"), 1, true, o.stride);
    spread(c, dims_of(c), int_list(c, dilation_at, "dilation"), 1, true, o.dilation);
    o.groups = integer(c, groups_at, "groups", 1);
    if (o.groups == 0) skip(c, "zero means one there");
    return o;
}
#define CONV_OPTIONS(...) .stride = __VA_ARGS__(stride), .padding = __VA_ARGS__(padding), .dilation = __VA_ARGS__(dilation), .groups = o.groups
#define OF1(field) o.field[0]
#define OF2(field) { o.field[0], o.field[1] }
#define OF3(field) { o.field[0], o.field[1], o.field[2] }
ADAPTER(a_conv) {
    conv_options o = conv_operands(c, 6, 5);
    const val *pad = arg(c, 4, "padding");
    o.same = is_kind(pad, V_STR) && strcmp(pad->s, "same") == 0;
    if (is_kind(pad, V_STR) && !o.same && strcmp(pad->s, "valid") != 0) skip(c, "another padding");
    if (!is_kind(pad, V_STR)) spread(c, dims_of(c), ints_of(c, pad), 0, false, o.padding);
    put(c, dims_of(c) == 1 ? tg_conv1d(o.x, o.w, o.b, CONV_OPTIONS(OF1), .same = o.same) : dims_of(c) == 2 ? tg_conv2d(o.x, o.w, o.b, CONV_OPTIONS(OF2), .same = o.same)
        : tg_conv3d(o.x, o.w, o.b, CONV_OPTIONS(OF3), .same = o.same));
}
ADAPTER(a_conv_transpose) {
    conv_options o = conv_operands(c, 6, 7);
    spread(c, dims_of(c), int_list(c, 4, "padding"), 0, false, o.padding);
    spread(c, dims_of(c), int_list(c, 5, "output_padding"), 0, false, o.more);
    put(c, dims_of(c) == 1 ? tg_conv_transpose1d(o.x, o.w, o.b, CONV_OPTIONS(OF1), .output_padding = OF1(more))
        : dims_of(c) == 2 ? tg_conv_transpose2d(o.x, o.w, o.b, CONV_OPTIONS(OF2), .output_padding = OF2(more))
        : tg_conv_transpose3d(o.x, o.w, o.b, CONV_OPTIONS(OF3), .output_padding = OF3(more)));
}
ADAPTER(a_pad) {
    static const char *const modes[] = { "constant", "reflect", "replicate", "circular" };
    tg_tensor *x = self(c);
    const val *list = need(c, 1, "pad"), *e;
    bool constant = strcmp(c->op, "constant_pad_nd") == 0;
    const char *mode = constant ? modes[0] : word(c, 2, "mode", modes[0]);
    double value = number(c, constant ? 2 : 3, "value", 0);
    int64_t pads[2 * TG_MAX_DIMS + 1];
    int n = 0, m = 0;
    if (!is_kind(list, V_LIST) || list->count > 2 * TG_MAX_DIMS) { skip(c, "a list of integers is wanted"); return; }
    for (e = list->first; e; e = e->next) { if (e->kind != V_INT) skip(c, "a list of integers is wanted"); pads[n++] = e->i; }
    while (m < 4 && strcmp(mode, modes[m]) != 0) m++;
    put(c, constant ? tg_constant_pad_nd(x, n, pads, value) : tg_pad(x, n, pads, (tg_pad_mode)m, value));
}
ADAPTER(a_fold) {
    tg_tensor *x = self(c);
    int at = ends_with(c->op, "unfold") ? 0 : 1;
    int64_t size[2], kernel[2], dilation[2], padding[2], stride[2];
    if (at) spread(c, 2, need_ints(c, 1, "output_size"), 0, true, size);
    spread(c, 2, need_ints(c, at + 1, "kernel_size"), 0, false, kernel);
    spread(c, 2, int_list(c, at + 2, "dilation"), 1, true, dilation);
    spread(c, 2, int_list(c, at + 3, "padding"), 0, false, padding);
    spread(c, 2, int_list(c, at + 4, "stride"), 1, true, stride);
#define PAIR(field) .field = { field[0], field[1] }
    put(c, at ? tg_fold(x, PAIR(size), PAIR(kernel), PAIR(dilation), PAIR(padding), PAIR(stride)) : tg_nn_unfold(x, PAIR(kernel), PAIR(dilation), PAIR(padding), PAIR(stride)));
}
ADAPTER(a_pixel_shuffle) { tg_tensor *x = self(c); put(c, tg_pixel_shuffle(x, need_integer(c, 1, "upscale_factor"))); }
ADAPTER(a_pixel_unshuffle) { tg_tensor *x = self(c); put(c, tg_pixel_unshuffle(x, need_integer(c, 1, "downscale_factor"))); }
ADAPTER(a_channel_shuffle) { tg_tensor *x = self(c); put(c, tg_channel_shuffle(x, need_integer(c, 1, "groups"))); }

/* ---- pool ---- */
/* A number or a list for the window's dimensions; absent or null: zeros. */
static void window(call *c, int at, const char *name, int spatial, int64_t *out) {
    const val *v = arg(c, at, name);
    int i;
    for (i = 0; i < 3; i++) out[i] = 0;
    if (!v || v->kind == V_NULL) return;
    {
        const ints d = ints_of(c, v);
        if (d.n == 0) return;
        if (d.n != 1 && d.n != spatial) skip(c, "another number of dimensions");
        for (i = 0; i < spatial; i++) { out[i] = d.v[d.n == 1 ? 0 : i]; if (out[i] == 0 && strcmp(name, "padding") != 0) skip(c, "zero means the default there"); }
    }
}
static int spatial_of(const call *c) { return strstr(c->op, "1d") ? 1 : strstr(c->op, "2d") ? 2 : 3; }
static void max_pool(call *c) {
    const int n = spatial_of(c);
    tg_max_pool1d_args a;
    tg_tensor *places, *y;
    const bool both = flag(c, 6, "return_indices", false);
    memset(&a, 0, sizeof a);
    a.x = self(c);
    window(c, 1, "kernel_size", n, a.kernel); window(c, 2, "stride", n, a.stride); window(c, 3, "padding", n, a.padding); window(c, 4, "dilation", n, a.dilation);
    a.ceil_mode = flag(c, 5, "ceil_mode", false);
    a.indices = both ? &places : NULL;
    y = n == 1 ? tg_max_pool1d_from(&a) : n == 2 ? tg_max_pool2d_from(&a) : tg_max_pool3d_from(&a);
    put(c, y);
    if (both) put(c, places);
}
static void avg_pool(call *c) {
    const int n = spatial_of(c);
    const val *v = arg(c, 6, "divisor_override");
    tg_avg_pool1d_args a;
    memset(&a, 0, sizeof a);
    a.x = self(c);
    window(c, 1, "kernel_size", n, a.kernel); window(c, 2, "stride", n, a.stride); window(c, 3, "padding", n, a.padding);
    a.ceil_mode = flag(c, 4, "ceil_mode", false);
    a.no_padding = !flag(c, 5, "count_include_pad", true);
    if (v && v->kind != V_NULL) { a.divisor.is = true; a.divisor.value = v->n; }
    put(c, n == 1 ? tg_avg_pool1d_from(&a) : n == 2 ? tg_avg_pool2d_from(&a) : tg_avg_pool3d_from(&a));
}
static void lp_pool(call *c) {
    const int n = spatial_of(c);
    tg_lp_pool1d_args a;
    memset(&a, 0, sizeof a);
    a.x = self(c);
    a.p = number(c, 1, "norm_type", 2);
    window(c, 2, "kernel_size", n, a.kernel); window(c, 3, "stride", n, a.stride);
    a.ceil_mode = flag(c, 4, "ceil_mode", false);
    put(c, n == 1 ? tg_lp_pool1d_from(&a) : n == 2 ? tg_lp_pool2d_from(&a) : tg_lp_pool3d_from(&a));
}
/* output_size: a number, or a list in which null is x's own size */
static void adaptive_pool(call *c) {
    const int n = spatial_of(c);
    tg_tensor *x = self(c), *places, *y;
    const val *v = need(c, 1, "output_size");
    int64_t size[8];
    int count = 1, i;
    const bool max = strstr(c->op, "max") != NULL, both = max && flag(c, 2, "return_indices", false);
    if (!x || !v) return;
    if (v->kind == V_LIST) {
        const val *e = v->first;
        for (count = v->count, i = 0; e && i < 8; i++, e = e->next) {
            const int d = x->ndim - n + i;
            size[i] = e->kind == V_NULL ? d >= 0 && d < x->ndim ? x->shape[d] : 1 : e->i;
        }
    } else size[0] = v->i;
    if (!max) { put(c, n == 1 ? tg_adaptive_avg_pool1d(x, count, size) : n == 2 ? tg_adaptive_avg_pool2d(x, count, size) : tg_adaptive_avg_pool3d(x, count, size)); return; }
    y = n == 1 ? tg_adaptive_max_pool1d(x, count, size, &places) : n == 2 ? tg_adaptive_max_pool2d(x, count, size, &places) : tg_adaptive_max_pool3d(x, count, size, &places);
    put(c, y);
    if (both) put(c, places);
}
static void max_unpool(call *c) {
    const int n = spatial_of(c);
    tg_max_unpool1d_args a;
    const val *v = arg(c, 5, "output_size");
    memset(&a, 0, sizeof a);
    a.x = self(c); a.indices = operand(c, 1, "indices");
    window(c, 2, "kernel_size", n, a.kernel); window(c, 3, "stride", n, a.stride); window(c, 4, "padding", n, a.padding);
    if (v && v->kind != V_NULL) {                                          /* with or without N and C */
        const ints d = ints_of(c, v);
        int i;
        if (d.n < n || d.n > n + 2) { skip(c, "another number of dimensions"); return; }
        for (i = 0; i < n; i++) a.output_size[i] = d.v[d.n - n + i];
    }
    put(c, n == 1 ? tg_max_unpool1d_from(&a) : n == 2 ? tg_max_unpool2d_from(&a) : tg_max_unpool3d_from(&a));
}

/* ---- resample ---- */
ADAPTER(a_interpolate) {
    static const char *const modes[] = { "nearest", "linear", "bilinear", "trilinear", "bicubic", "area", "nearest-exact" };
    tg_tensor *x = self(c);
    ints size = int_list(c, 1, "size");
    const val *scale = arg(c, 2, "scale_factor"), *e, *align = arg(c, 4, "align_corners");
    const char *mode = word(c, 3, "mode", "nearest");
    tg_interpolate_args a;
    int spatial = x ? x->ndim - 2 : 0, n = 0, m;
    memset(&a, 0, sizeof a);
    for (m = 0; m < 7 && strcmp(mode, modes[m]) != 0; m++) {}
    a.x = x; a.mode = (tg_interpolate_mode)m;
    a.align_corners = flag(c, 4, "align_corners", false); a.recompute_scale_factor = flag(c, 5, "recompute_scale_factor", false); a.antialias = flag(c, 6, "antialias", false);
    if (size.n > 3 || (is_kind(scale, V_LIST) && scale->count > 3)) { skip(c, "more sizes than there are dimensions"); return; }
    if (align && !a.align_corners && (m == 0 || m > 4)) { skip(c, "false is the same as none"); return; }
    for (n = 0; n < size.n; n++) a.size[n] = size.v[n];
    if (size.n == 1 && !size.list) for (; n < spatial && n < 3; n++) a.size[n] = a.size[0];
    if (is_kind(scale, V_LIST)) for (n = 0, e = scale->first; e; e = e->next) a.scale_factor[n++] = e->n;
    else if (scale) for (n = 0; n < spatial && n < 3; n++) a.scale_factor[n] = scale->n;
    put(c, tg_interpolate_from(&a));
}
ADAPTER(a_grid_sample) {
    tg_tensor *x = self(c), *grid = tensor(c, 1, "grid");
    const char *mode = word(c, 2, "mode", "bilinear"), *padding = word(c, 3, "padding_mode", "zeros");
    put(c, tg_grid_sample(x, grid, .align_corners = flag(c, 4, "align_corners", false),
        .mode = strcmp(mode, "bilinear") == 0 ? TG_GRID_BILINEAR : strcmp(mode, "nearest") == 0 ? TG_GRID_NEAREST : strcmp(mode, "bicubic") == 0 ? TG_GRID_BICUBIC : (tg_grid_mode)99,
        .padding = strcmp(padding, "zeros") == 0 ? TG_GRID_ZEROS : strcmp(padding, "border") == 0 ? TG_GRID_BORDER : strcmp(padding, "reflection") == 0 ? TG_GRID_REFLECTION : (tg_grid_padding)99));
}
ADAPTER(a_affine_grid) {
    tg_tensor *theta = tensor(c, 0, "theta");
    ints size = need_ints(c, 1, "size");
    put(c, tg_affine_grid(theta, size.n, size.v, flag(c, 2, "align_corners", false)));
}

/* ---- attention ---- */
ADAPTER(a_sdpa) {
    tg_tensor *q = tensor(c, 0, "query"), *k = tensor(c, 1, "key"), *v = tensor(c, 2, "value"), *mask = maybe_tensor(c, 3, "attn_mask");
    double p = number(c, 4, "dropout_p", 0);
    bool causal = flag(c, 5, "is_causal", false);
    put(c, tg_scaled_dot_product_attention(q, k, v, .attn_mask = mask, .dropout_p = p, .enable_gqa = flag(c, -1, "enable_gqa", false), .is_causal = causal, .scale = maybe(c, -1, "scale")));
}
ADAPTER(a_heads) {            /* multi_head_attention_forward */
    tg_multi_head_attention_forward_args a;
    tg_tensor *weights = NULL;
    memset(&a, 0, sizeof a);
    a.query = tensor(c, 0, "query"); a.key = tensor(c, 1, "key"); a.value = tensor(c, 2, "value");
    a.embed_dim_to_check = need_integer(c, 3, "embed_dim_to_check"); a.num_heads = need_integer(c, 4, "num_heads");
    a.in_proj_weight = maybe_tensor(c, 5, "in_proj_weight"); a.in_proj_bias = maybe_tensor(c, 6, "in_proj_bias");
    a.bias_k = maybe_tensor(c, 7, "bias_k"); a.bias_v = maybe_tensor(c, 8, "bias_v");
    a.add_zero_attn = flag(c, 9, "add_zero_attn", false); a.dropout_p = number(c, 10, "dropout_p", 0);
    a.out_proj_weight = maybe_tensor(c, 11, "out_proj_weight"); a.out_proj_bias = maybe_tensor(c, 12, "out_proj_bias");
    a.no_training = !flag(c, 13, "training", true);
    a.key_padding_mask = maybe_tensor(c, 14, "key_padding_mask");
    a.weights = flag(c, 15, "need_weights", true) ? &weights : NULL;
    a.attn_mask = maybe_tensor(c, 16, "attn_mask");
    a.use_separate_proj_weight = flag(c, 17, "use_separate_proj_weight", false);
    a.q_proj_weight = maybe_tensor(c, 18, "q_proj_weight"); a.k_proj_weight = maybe_tensor(c, 19, "k_proj_weight"); a.v_proj_weight = maybe_tensor(c, 20, "v_proj_weight");
    a.static_k = maybe_tensor(c, 21, "static_k"); a.static_v = maybe_tensor(c, 22, "static_v");
    a.no_average = !flag(c, 23, "average_attn_weights", true); a.is_causal = flag(c, 24, "is_causal", false);
    put(c, tg_multi_head_attention_forward_from(&a));
    if (a.weights) put(c, weights); else put_result(c, R_NONE);
}

/* ---- rnn ---- */

/* A module of the constructor's arguments; its state from the entries param.* and buffer.*, of which buffers are written: copies. */
static bool module_state(call *c, tg_module *m) {
    val *v;
    for (v = m ? c->kwargs->first : NULL; v; v = v->next) {
        const bool buffer = strncmp(v->key, "buffer.", 7) == 0;
        if (!buffer && strncmp(v->key, "param.", 6) != 0) continue;
        v->used = true;
        if (!tg_module_set(m, v->key + (buffer ? 7 : 6), buffer ? tg_clone(v->t) : v->t)) return false;
    }
    if (m) tg_train(m, flag(c, -1, "training", true));
    return m != NULL;
}
static void module_buffers(call *c, tg_module *m) {
    val *v;
    for (v = c->kwargs->first; v; v = v->next) if (strncmp(v->key, "buffer.", 7) == 0) put(c, tg_module_tensor_at(m, v->key + 7));
}
static void a_rnn(call *c) {         /* nn.LSTM, nn.GRU, nn.RNN and their cells */
    const bool cell = strstr(c->op, "Cell") != NULL, lstm = strncmp(c->op, "nn.LSTM", 7) == 0, gru = strncmp(c->op, "nn.GRU", 6) == 0;
    tg_nn_rnn_args a;
    tg_tensor *h = NULL, *cells = NULL, *y, *x = tensor(c, 0, "input"), *h0 = maybe_tensor(c, 1, "h0|hx"), *c0 = lstm ? maybe_tensor(c, 2, "c0") : NULL;
    tg_module *m;
    memset(&a, 0, sizeof a);
    a.tg = c->tg; a.in = need_integer(c, -1, "input_size"); a.hidden = need_integer(c, -1, "hidden_size"); a.no_bias = !flag(c, -1, "bias", true);
    a.batch_first = flag(c, -1, "batch_first", false); a.bidirectional = flag(c, -1, "bidirectional", false); a.layers = integer(c, -1, "num_layers", 1);
    a.dropout = number(c, -1, "dropout", 0); a.proj_size = integer(c, -1, "proj_size", 0);
    if (!a.layers) skip(c, "0 stands for 1");
    if (strcmp(word(c, -1, "nonlinearity", "tanh"), "tanh") != 0 && strcmp(word(c, -1, "nonlinearity", "tanh"), "relu") != 0) skip(c, "no such nonlinearity");
    a.nonlinearity = strcmp(word(c, -1, "nonlinearity", "tanh"), "relu") == 0 ? TG_NN_RELU : TG_NN_TANH;
    m = lstm ? cell ? tg_nn_lstm_cell_from(&a) : tg_nn_lstm_from(&a) : gru ? cell ? tg_nn_gru_cell_from(&a) : tg_nn_gru_from(&a) : cell ? tg_nn_rnn_cell_from(&a) : tg_nn_rnn_from(&a);
    y = module_state(c, m) ? tg_forward_rnn(m, x, .c0 = c0, .c_n = lstm ? &cells : NULL, .h0 = h0, .h_n = &h) : NULL;
    put(c, y);
    if (!cell) put(c, h);
    if (lstm) put(c, cells);
    tg_module_free(m);
}
static void a_norm_module(call *c) { /* nn.BatchNorm1d, 2d, 3d, nn.InstanceNorm2d */
    const bool instance = strncmp(c->op, "nn.Instance", 11) == 0;
    tg_nn_batch_norm2d_args a;
    tg_module *m;
    const val *v;
    memset(&a, 0, sizeof a);
    a.tg = c->tg; a.channels = need_integer(c, -1, "num_features");
    for (v = c->kwargs->first; v; v = v->next) if (strcmp(v->key, "momentum") == 0 && v->kind == V_NULL) a.cumulative = true;
    if (arg(c, -1, "momentum")) { a.momentum.is = true; a.momentum.value = number(c, -1, "momentum", 0.1); }
    if (arg(c, -1, "eps")) { a.eps.is = true; a.eps.value = number(c, -1, "eps", 1e-5); }
    a.no_affine = !flag(c, -1, "affine", true); a.affine = flag(c, -1, "affine", false);
    a.no_running = !flag(c, -1, "track_running_stats", true); a.running = flag(c, -1, "track_running_stats", false);
    m = instance ? tg_nn_instance_norm2d_from(&a) : c->op[12] == '1' ? tg_nn_batch_norm1d_from(&a) : c->op[12] == '2' ? tg_nn_batch_norm2d_from(&a) : tg_nn_batch_norm3d_from(&a);
    if (!module_state(c, m)) { put(c, NULL); tg_module_free(m); return; }
    put(c, tg_forward(m, tensor(c, 0, "input")));
    module_buffers(c, m);
    tg_module_free(m);
}
static void a_attention_module(call *c) {
    tg_nn_multihead_attention_args a;
    tg_forward_attention_args f;
    tg_tensor *weights = NULL;
    memset(&a, 0, sizeof a); memset(&f, 0, sizeof f);
    a.tg = c->tg; a.embed_dim = need_integer(c, -1, "embed_dim"); a.num_heads = need_integer(c, -1, "num_heads"); a.no_bias = !flag(c, -1, "bias", true);
    a.batch_first = flag(c, -1, "batch_first", false); a.kdim = integer(c, -1, "kdim", 0); a.vdim = integer(c, -1, "vdim", 0); a.dropout = number(c, -1, "dropout", 0);
    a.add_bias_kv = flag(c, -1, "add_bias_kv", false); a.add_zero_attn = flag(c, -1, "add_zero_attn", false);
    f.query = tensor(c, 0, "query"); f.key = tensor(c, 1, "key"); f.value = tensor(c, 2, "value");
    f.attn_mask = maybe_tensor(c, -1, "attn_mask"); f.key_padding_mask = maybe_tensor(c, -1, "key_padding_mask"); f.is_causal = flag(c, -1, "is_causal", false);
    f.no_average = !flag(c, -1, "average_attn_weights", true); f.weights = flag(c, -1, "need_weights", true) ? &weights : NULL;
    f.m = tg_nn_multihead_attention_from(&a);
    put(c, module_state(c, f.m) ? tg_forward_attention_from(&f) : NULL);
    if (f.weights) put(c, weights); else put_result(c, R_NONE);
    tg_module_free(f.m);
}
/* ---- init ---- */
static tg_gain_of gain_of(call *c, int at, const char *absent) {
    const char *name = word(c, at, "nonlinearity", absent);
    if (strcmp(name, "linear") != 0 && strncmp(name, "conv", 4) != 0 && strcmp(name, "tanh") != 0 && strcmp(name, "relu") != 0 && strcmp(name, "leaky_relu") != 0 &&
        strcmp(name, "selu") != 0 && strcmp(name, "sigmoid") != 0) skip(c, "no such nonlinearity");
    return strcmp(name, "tanh") == 0 ? TG_GAIN_TANH : strcmp(name, "relu") == 0 ? TG_GAIN_RELU : strcmp(name, "leaky_relu") == 0 ? TG_GAIN_LEAKY_RELU :
        strcmp(name, "selu") == 0 ? TG_GAIN_SELU : strcmp(name, "sigmoid") == 0 ? TG_GAIN_SIGMOID : TG_GAIN_LINEAR;
}
static tg_tensor *shaped(call *c) {
    const ints s = need_ints(c, 0, "shape|tensor");
    return tg_ones(c->tg, s.n, s.v);
}
static void a_init(call *c) {         /* nn.init.* */
    const char *op = c->op + 8;
    double in = 0, out = 0;
    tg_tensor *t;
    const char *mode = "fan_in";
    if (strcmp(op, "calculate_gain") == 0) {
        const tg_gain_of of = gain_of(c, 0, "linear");
        const double gain = tg_calculate_gain(of, number(c, 1, "param", 0.01));
        if (of == TG_GAIN_LINEAR || of == TG_GAIN_SIGMOID) put_int(c, (int64_t)gain); else put_num(c, gain);       /* a Python int there */
        return;
    }
    t = c->self = shaped(c);
    if (strcmp(op, "eye_") == 0) { put(c, tg_eye_(t)); return; }
    if (strcmp(op, "dirac_") == 0) { put(c, tg_dirac_(t, integer(c, 1, "groups", 1))); return; }
    if (strcmp(op, "_calculate_fan_in_and_fan_out") == 0) {
        int64_t fans[2] = { 0, 0 };
        (void)tg_calculate_fans(t, &fans[0], &fans[1]);
        put_int(c, fans[0]); put_int(c, fans[1]);
        return;
    }
    if (!t || !tg__fans(c->tg, t, &in, &out)) { put(c, NULL); return; }
    if (op[0] == 'k') mode = word(c, 2, "mode", "fan_in");
    if (strcmp(mode, "fan_in") != 0 && strcmp(mode, "fan_out") != 0) skip(c, "no such mode");
    if (op[0] == 'x') put_num(c, tg__xavier_number(in, out, number(c, 1, "gain", 1), op[7] == 'n'));
    else put_num(c, tg__kaiming_number(strcmp(mode, "fan_out") == 0 ? out : in,
        tg_calculate_gain(gain_of(c, 3, "leaky_relu"), number(c, 1, "a", 0)), op[8] == 'n'));
}
/* The number that a layer draws its tensor with, if all that was drawn lies within it. */
static void put_limit(call *c, tg_tensor *t, double fan_in) {
    const double limit = tg__layer_bound(fan_in);
    put_num(c, t && tg_item(tg_max(tg_abs(tg_detach(t)))) <= limit * (1 + 1e-6) ? limit : -1);
}
static void a_layer_limits(call *c) { /* nn.Linear.init_limits, nn.Conv2d.init_limits */
    const bool conv = c->op[3] == 'C', bias = flag(c, conv ? 4 : 2, "bias", true);
    const int64_t in = need_integer(c, 0, "in_features|in_channels"), out = need_integer(c, 1, "out_features|out_channels");
    tg_module *m;
    tg_tensor *w;
    if (conv) {
        tg_nn_conv2d_args a;
        const ints k = need_ints(c, 2, "kernel_size");
        memset(&a, 0, sizeof a);
        a.tg = c->tg; a.in = in; a.out = out; a.groups = integer(c, 3, "groups", 1); a.no_bias = !bias;
        a.kernel = k.v[0];
        if (k.n == 2) { a.kernel_size[0] = k.v[0]; a.kernel_size[1] = k.v[1]; }
        m = tg_nn_conv2d_from(&a);
    } else m = tg_nn_linear(c->tg, in, out, .no_bias = !bias);
    w = tg_module_tensor_at(m, "weight");
    if (w) {
        const double fan_in = (double)w->numel / (double)w->shape[0];
        put_limit(c, w, fan_in);
        if (bias) put_limit(c, tg_module_tensor_at(m, "bias"), fan_in);
    }
    tg_module_free(m);
}
static void a_transformer(call *c) { /* nn.TransformerEncoderLayer, nn.TransformerDecoderLayer, nn.TransformerEncoder */
    const bool layer = strstr(c->op, "Layer") != NULL, decoder = strstr(c->op, "Decoder") != NULL;
    tg_nn_transformer_args a;
    tg_forward_transformer_args f;
    const char *activation = word(c, -1, "activation", "relu");
    memset(&a, 0, sizeof a); memset(&f, 0, sizeof f);
    a.tg = c->tg; a.d_model = need_integer(c, -1, "d_model"); a.nhead = need_integer(c, -1, "nhead"); a.dim_feedforward = integer(c, -1, "dim_feedforward", 0);
    a.batch_first = flag(c, -1, "batch_first", false); a.norm_first = flag(c, -1, "norm_first", false); a.no_bias = !flag(c, -1, "bias", true);
    a.dropout.is = true; a.dropout.value = number(c, -1, "dropout", 0);                          /* absent: 0 in this set */
    if (arg(c, -1, "layer_norm_eps")) { a.layer_norm_eps.is = true; a.layer_norm_eps.value = number(c, -1, "layer_norm_eps", 1e-5); }
    a.gelu = strcmp(activation, "gelu") == 0;
    if (!a.gelu && strcmp(activation, "relu") != 0) { skip(c, "another activation"); return; }
    if (!layer) a.layers = need_integer(c, -1, "num_layers");
    f.src = tensor(c, decoder ? 1 : 0, decoder ? "memory" : "src");
    if (decoder) f.tgt = tensor(c, 0, "tgt");
    f.src_mask = maybe_tensor(c, -1, layer ? "src_mask" : "mask"); f.src_key_padding_mask = maybe_tensor(c, -1, "src_key_padding_mask");
    f.tgt_mask = maybe_tensor(c, -1, "tgt_mask"); f.tgt_key_padding_mask = maybe_tensor(c, -1, "tgt_key_padding_mask");
    f.memory_mask = maybe_tensor(c, -1, "memory_mask"); f.memory_key_padding_mask = maybe_tensor(c, -1, "memory_key_padding_mask");
    f.is_causal = flag(c, -1, "is_causal", false); f.tgt_is_causal = flag(c, -1, "tgt_is_causal", false);
    f.m = decoder ? tg_nn_transformer_decoder_layer_from(&a) : layer ? tg_nn_transformer_encoder_layer_from(&a) : tg_nn_transformer_encoder_from(&a);
    put(c, module_state(c, f.m) ? tg_forward_transformer_from(&f) : NULL);
    tg_module_free(f.m);
}

/* ---- optimisers and clipping ---- */
static const struct { const char *name; tg_optim_rule rule; double lr; } optim_rules[] = {              /* with torch's default rates, which are operands here */
    { "SGD", TG_OPTIM_SGD, 1e-3 }, { "Adam", TG_OPTIM_ADAM, 1e-3 }, { "AdamW", TG_OPTIM_ADAMW, 1e-3 }, { "RMSprop", TG_OPTIM_RMSPROP, 1e-2 }, { "Adagrad", TG_OPTIM_ADAGRAD, 1e-2 },
    { "Adadelta", TG_OPTIM_ADADELTA, 1 }, { "Adamax", TG_OPTIM_ADAMAX, 2e-3 }, { "NAdam", TG_OPTIM_NADAM, 2e-3 }, { "RAdam", TG_OPTIM_RADAM, 1e-3 }, { "ASGD", TG_OPTIM_ASGD, 1e-2 },
    { "Rprop", TG_OPTIM_RPROP, 1e-2 }, { "SparseAdam", TG_OPTIM_SPARSE_ADAM, 1e-3 }, { "Muon", TG_OPTIM_MUON, 1e-3 }, { "LBFGS", TG_OPTIM_LBFGS, 1 }
};
/* An option, or that of parameter `group` where each parameter is a group of its own. */
static const val *optim_value(call *c, const char *name, int group) {
    char key[64];
    const val *all = arg(c, -1, name), *each;
    snprintf(key, sizeof key, "group.%s", name);
    each = arg(c, -1, key);
    return each && each->kind == V_LIST && group >= 0 ? child(each, group) : all;
}
static tg_maybe optim_number(call *c, const char *name, int group) {
    const val *v = optim_value(c, name, group);
    tg_maybe m = { false, 0 };
    if (v && !is_scalar(v)) { skip(c, "a number is wanted"); return m; }
    m.is = v != NULL; m.value = v ? v->n : 0;
    return m;
}
static bool optim_flag(call *c, const char *name, int group) { tg_maybe m = optim_number(c, name, group); return m.is && m.value != 0; }
static void optim_list(call *c, const char *name, int group, int n, tg_maybe *out) {
    const val *v = optim_value(c, name, group), *e;
    int i = 0;
    if (v && (v->kind != V_LIST || v->count != n)) skip(c, "a list of numbers is wanted");
    for (e = v && v->kind == V_LIST ? v->first : NULL; e && i < n; e = e->next, i++) { out[i].is = true; out[i].value = e->n; }
}
static tg_optim_args optim_args(call *c, int group) {
    tg_optim_args a;
    const char *search = word(c, -1, "line_search_fn", NULL);
    tg_maybe m;
    size_t i;
    memset(&a, 0, sizeof a);
    for (i = 0; i < sizeof optim_rules / sizeof optim_rules[0]; i++)
        if (strcmp(c->op + strlen("optim."), optim_rules[i].name) == 0) { a.rule = optim_rules[i].rule; a.lr = optim_rules[i].lr; }
    if (!a.rule) skip(c, "no such rule");
    m = optim_number(c, "lr", group);
    if (m.is) a.lr = m.value;
    a.alpha = optim_number(c, "alpha", group); a.dampening = optim_number(c, "dampening", group); a.eps = optim_number(c, "eps", group);
    a.initial_accumulator_value = optim_number(c, "initial_accumulator_value", -1);        /* torch takes the constructor's, whatever a group says */
    a.lambd = optim_number(c, "lambd", group); a.lr_decay = optim_number(c, "lr_decay", group);
    a.momentum = optim_number(c, "momentum", group); a.momentum_decay = optim_number(c, "momentum_decay", group); a.rho = optim_number(c, "rho", group); a.t0 = optim_number(c, "t0", group);
    a.tolerance_change = optim_number(c, "tolerance_change", group); a.tolerance_grad = optim_number(c, "tolerance_grad", group); a.weight_decay = optim_number(c, "weight_decay", group);
    optim_list(c, "betas", group, 2, a.betas); optim_list(c, "etas", group, 2, a.etas); optim_list(c, "step_sizes", group, 2, a.step_sizes); optim_list(c, "ns_coefficients", group, 3, a.ns_coefficients);
    a.amsgrad = optim_flag(c, "amsgrad", group); a.centered = optim_flag(c, "centered", group); a.decoupled_weight_decay = optim_flag(c, "decoupled_weight_decay", group);
    a.maximize = optim_flag(c, "maximize", group); a.nesterov = optim_flag(c, "nesterov", group);
    if (a.rule == TG_OPTIM_MUON) { m = optim_number(c, "nesterov", group); a.nesterov = false; a.no_nesterov = m.is && m.value == 0; }
    a.max_iter = (int)integer(c, -1, "max_iter", 0); a.max_eval = (int)integer(c, -1, "max_eval", 0); a.history_size = (int)integer(c, -1, "history_size", 0); a.ns_steps = (int)integer(c, -1, "ns_steps", 0);
    if (search && strcmp(search, "strong_wolfe") != 0) skip(c, "no such line search");
    a.strong_wolfe = search != NULL;
    search = word(c, -1, "adjust_lr_fn", "original");
    a.adjust_lr = strcmp(search, "match_rms_adamw") == 0 ? TG_ADJUST_MATCH_RMS_ADAMW : strcmp(search, "spectral_unclamped") == 0 ? TG_ADJUST_SPECTRAL_UNCLAMPED : TG_ADJUST_ORIGINAL;
    return a;
}
static bool grouped(call *c) {
    const val *v;
    for (v = c->kwargs->first; v; v = v->next) if (starts_with(v->key, "group.")) return true;
    return false;
}
static tg_tensor *parameter(call *c, const val *v) { tg_tensor *t = tensor_of(c, v); return t ? tg_require_grad(tg_clone(t), true) : NULL; }
/* In the options of a group false means "as the first group". */
static void optim_flags_off(call *c, tg_optim *o, int group) {
    static const char *const names[] = { "maximize", "nesterov", "amsgrad", "centered", "decoupled_weight_decay" };
    size_t i;
    for (i = 0; i < sizeof names / sizeof names[0]; i++)
        if (is_kind(optim_value(c, names[i], group), V_BOOL) && !optim_flag(c, names[i], group) && optim_flag(c, names[i], 0)) (void)tg_optim_set(o, group, names[i], 0);
}
static void a_optim(call *c) {
    const val *list = need(c, 0, "params"), *steps = need(c, 1, "grads"), *step, *e;
    const bool groups = grouped(c);
    tg_optim_args a = optim_args(c, groups ? 0 : -1);
    tg_tensor *p[MAX_TENSORS];
    tg_optim *o;
    int n = 0, i;
    if (c->skip || !list || !steps || list->count > MAX_TENSORS) { skip(c, "lists are wanted"); return; }
    if (!list->count) { skip(c, "an empty list belongs to no context"); return; }
    for (e = list->first; e; e = e->next) p[n++] = parameter(c, e);
    a.params = p; a.n_params = groups ? 1 : n;
    o = tg_optim_from(&a);
    for (i = 1; groups && i < n; i++) {
        a = optim_args(c, i);
        a.optim = o; a.params = p + i; a.n_params = 1;
        (void)tg_optim_group_from(&a);
        optim_flags_off(c, o, i);
    }
    for (step = steps->first; step; step = step->next) {
        for (i = 0, e = step->first; e; e = e->next, i++) if (e->kind == V_TENSOR) tg_backward(p[i], .gradient = e->t);
        (void)tg_step(o);
        for (i = 0; i < n; i++) put(c, tg_failed(c->tg) ? NULL : tg_clone(tg_detach(p[i])));
    }
    tg_optim_free(o);
}
typedef struct quadratic { tg_tensor *x, *a, *b; } quadratic;
static tg_tensor *quadratic_loss(void *user) {
    const quadratic *q = (const quadratic *)user;
    tg_tensor *loss = tg_sub(tg_div_scalar(tg_dot(q->x, tg_matmul(q->a, q->x)), 2), tg_dot(q->b, q->x));
    return tg_backward(loss) ? loss : NULL;
}
static void a_lbfgs(call *c) {
    tg_optim_args a = optim_args(c, -1);
    quadratic q;
    int64_t steps = need_integer(c, -1, "steps"), i;
    tg_optim *o;
    q.x = parameter(c, need(c, 0, "x0")); q.a = tensor(c, 1, "A"); q.b = tensor(c, 2, "b");
    a.params = &q.x; a.n_params = 1;
    o = tg_optim_from(&a);
    for (i = 0; i < steps; i++) {
        (void)tg_step_with(o, quadratic_loss, &q);
        put(c, tg_failed(c->tg) ? NULL : tg_clone(tg_detach(q.x)));
    }
    tg_optim_free(o);
}
/* Both take gradients: leaves get them first. */
static void a_clip_grad(call *c) {
    tensors g = tensor_list(c, 0, "parameters|grads");
    tg_tensor *p[MAX_TENSORS];
    const bool value = strcmp(c->op, "nn.utils.clip_grad_value_") == 0;
    const val *named = arg(c, 2, "norm_type");
    const bool infinite = is_kind(named, V_STR) && strcmp(named->s, "inf") == 0;          /* torch takes the word for the number */
    tg_maybe order = infinite ? tg__option_is(true, tg__inf()) : maybe(c, 2, "norm_type");
    int i;
    for (i = 0; i < g.n; i++) {
        p[i] = g.t[i] ? tg_require_grad(tg_zeros_like(g.t[i]), true) : NULL;
        tg_backward(p[i], .gradient = g.t[i]);
    }
    if (value) (void)tg_clip_grad_value_(p, g.n, number(c, 1, "clip_value", 0));
    else {
        double norm = tg_clip_grad_norm_(p, g.n, number(c, 1, "max_norm", 0), .norm_type = order, .error_if_nonfinite = flag(c, 3, "error_if_nonfinite", false));
        put(c, g.n ? tg_full(c->tg, TG_SCALAR, norm, g.t[0]->dtype) : NULL);
    }
    for (i = 0; i < g.n; i++) put(c, tg_failed(c->tg) ? NULL : tg_clone(tg_grad_of(p[i])));
    c->self = c->n_out ? c->out[0].t : NULL;                         /* the name ends in _, but nothing given is changed */
}

/* ---- schedules: the rate after each step; arguments by torch's names, with its defaults, in a dict or in a list of names and values ---- */
typedef struct sched { call *c; const val *list; } sched;
static const val *sched_arg(const sched *s, const char *name) {
    const val *v;
    if (!s->list) return arg(s->c, -1, name);
    for (v = s->list->first; v && v->next; v = v->next->next) if (v->kind == V_STR && strcmp(v->s, name) == 0) return v->next;
    return NULL;
}
static double sched_number(const sched *s, const char *name, double absent) {
    const val *v = sched_arg(s, name);
    if (v && !is_scalar(v)) { skip(s->c, "a number is wanted"); return absent; }
    return v ? v->n : absent;
}
static tg_maybe sched_maybe(const sched *s, const char *name) { const val *v = sched_arg(s, name); tg_maybe m; m.is = v != NULL; m.value = sched_number(s, name, 0); return m; }
static bool sched_is(const sched *s, const char *name, const char *word) { const val *v = sched_arg(s, name); return v && v->kind == V_STR && strcmp(v->s, word) == 0; }
static double sched_rate(const sched *s, const char *name, double lr, int64_t step, double *momentum) {
    if (strcmp(name, "StepLR") == 0) return tg_step_lr(lr, step, (int64_t)sched_number(s, "step_size", 0), sched_number(s, "gamma", 0.1));
    if (strcmp(name, "MultiStepLR") == 0) {
        int64_t at[MAX_RESULTS];
        const val *v = sched_arg(s, "milestones"), *e;
        int n = 0;
        for (e = v ? v->first : NULL; e && n < MAX_RESULTS; e = e->next) at[n++] = e->i;
        return tg_multi_step_lr(lr, step, n, at, sched_number(s, "gamma", 0.1));
    }
    if (strcmp(name, "ConstantLR") == 0) return tg_constant_lr(lr, step, sched_number(s, "factor", 1.0 / 3), (int64_t)sched_number(s, "total_iters", 5));
    if (strcmp(name, "LinearLR") == 0) return tg_linear_lr(lr, step, sched_number(s, "start_factor", 1.0 / 3), sched_number(s, "end_factor", 1), (int64_t)sched_number(s, "total_iters", 5));
    if (strcmp(name, "ExponentialLR") == 0) return tg_exponential_lr(lr, step, sched_number(s, "gamma", 0));
    if (strcmp(name, "PolynomialLR") == 0) return tg_polynomial_lr(lr, step, (int64_t)sched_number(s, "total_iters", 5), sched_number(s, "power", 1));
    if (strcmp(name, "CosineAnnealingLR") == 0) return tg_cosine_annealing_lr(lr, step, (int64_t)sched_number(s, "T_max", 0), sched_number(s, "eta_min", 0));
    if (strcmp(name, "CosineAnnealingWarmRestarts") == 0)
        return tg_cosine_annealing_warm_restarts(lr, step, (int64_t)sched_number(s, "T_0", 0), (int64_t)sched_number(s, "T_mult", 1), sched_number(s, "eta_min", 0));
    if (strcmp(name, "OneCycleLR") == 0) {
        tg_one_cycle_lr_args a;
        memset(&a, 0, sizeof a);
        a.max_lr = sched_number(s, "max_lr", 0); a.step = step; a.total_steps = (int64_t)sched_number(s, "total_steps", 0);
        if (!a.total_steps) a.total_steps = (int64_t)(sched_number(s, "epochs", 0) * sched_number(s, "steps_per_epoch", 0));
        a.base_momentum = sched_maybe(s, "base_momentum"); a.max_momentum = sched_maybe(s, "max_momentum"); a.div_factor = sched_maybe(s, "div_factor");
        a.final_div_factor = sched_maybe(s, "final_div_factor"); a.pct_start = sched_maybe(s, "pct_start");
        a.linear = sched_is(s, "anneal_strategy", "linear"); a.three_phase = sched_number(s, "three_phase", 0) != 0;
        if (sched_number(s, "cycle_momentum", 1) != 0) *momentum = tg_one_cycle_momentum_from(&a);
        return tg_one_cycle_lr_from(&a);
    }
    if (strcmp(name, "CyclicLR") == 0) {
        tg_cyclic_lr_args a;
        memset(&a, 0, sizeof a);
        a.base_lr = sched_number(s, "base_lr", 0); a.max_lr = sched_number(s, "max_lr", 0); a.step = step; a.gamma = sched_maybe(s, "gamma");
        (void)sched_arg(s, "scale_mode");                                                    /* of a function's scale, which no case has */
        a.step_size_up = (int64_t)sched_number(s, "step_size_up", 0); a.step_size_down = (int64_t)sched_number(s, "step_size_down", 0);
        a.mode = sched_is(s, "mode", "triangular2") ? TG_CYCLIC_TRIANGULAR2 : sched_is(s, "mode", "exp_range") ? TG_CYCLIC_EXP_RANGE : TG_CYCLIC_TRIANGULAR;
        lr = tg_cyclic_lr_from(&a);
        if (sched_number(s, "cycle_momentum", 1) != 0) {
            a.base_lr = sched_number(s, "max_momentum", 0.9); a.max_lr = sched_number(s, "base_momentum", 0.8);
            *momentum = tg_cyclic_lr_from(&a);
        }
        return lr;
    }
    skip(s->c, "no such schedule");
    return lr;
}
static void put_rates(call *c, const double *v, int64_t n) { put(c, tg_from(c->tg, 1, &n, TG_F64, v)); }
static void a_sched(call *c) {
    const bool chain = strcmp(c->op, "sched.SequentialLR") == 0, given = arg(c, -1, "momentum") != NULL;
    const double lr = number(c, 0, "lr", 0.1);
    const int64_t steps = integer(c, -1, "steps", 0);
    const val *milestones = chain ? need(c, -1, "milestones") : NULL, *e;
    double rates[MAX_RESULTS], momenta[MAX_RESULTS], momentum = number(c, -1, "momentum", 0);
    int64_t i;
    for (i = 0; chain && i < c->args->count; i++) (void)arg(c, (int)i, "");
    if (steps + 1 > MAX_RESULTS) { skip(c, "many steps"); return; }
    for (i = 0; i <= steps && !c->skip; i++) {
        sched s;
        int64_t from = 0;
        int which = 0;
        const val *part;
        s.c = c; s.list = NULL;
        for (e = milestones ? milestones->first : NULL; e; e = e->next) if (i >= e->i) { from = e->i; which++; }
        part = chain ? child(c->args, 1 + which) : NULL;
        if (chain && (!part || part->kind != V_LIST || !is_kind(part->first, V_STR) || !is_kind(child(part, 1), V_LIST))) { skip(c, "a schedule is wanted"); return; }
        if (chain) s.list = child(part, 1);
        rates[i] = sched_rate(&s, chain ? part->first->s : c->op + strlen("sched."), lr, i - from, &momentum);
        momenta[i] = momentum;
    }
    put_rates(c, rates, steps + 1);
    if (given) put_rates(c, momenta, steps + 1);
}
static void a_plateau(call *c) {
    const val *metrics = need(c, -1, "metrics"), *e, *least = arg(c, -1, "min_lr");     /* a list: one for each group */
    double rates[MAX_RESULTS];
    tg_plateau p;
    int64_t n = 0;
    memset(&p, 0, sizeof p);
    if (is_kind(least, V_LIST)) least = least->first;
    p.max = strcmp(word(c, -1, "mode", "min"), "max") == 0; p.factor = maybe(c, -1, "factor"); p.patience = maybe(c, -1, "patience"); p.threshold = maybe(c, -1, "threshold");
    p.threshold_abs = strcmp(word(c, -1, "threshold_mode", "rel"), "abs") == 0; p.cooldown = integer(c, -1, "cooldown", 0); p.min_lr = least ? least->n : 0; p.eps = maybe(c, -1, "eps");
    rates[n++] = number(c, 0, "lr", 0.1);
    for (e = metrics ? metrics->first : NULL; e && n < MAX_RESULTS; e = e->next, n++) rates[n] = tg_reduce_lr_on_plateau(&p, rates[n - 1], e->n);
    put_rates(c, rates, n);
}

/* ---- search ---- */
ADAPTER(a_isinf_sign) { put(c, c->op[2] == 'p' ? tg_isposinf(self(c)) : tg_isneginf(self(c))); }
ADAPTER(a_nonzero) {          /* nonzero, argwhere */
    tg_tensor *x = self(c), *along[TG_MAX_DIMS];
    int i, n;
    if (c->op[0] == 'a') { put(c, tg_argwhere(x)); return; }
    if (!flag(c, -1, "as_tuple", false)) { put(c, tg_nonzero(x)); return; }
    n = tg_nonzero_tuple(x, along, TG_MAX_DIMS);
    for (i = 0; i < n; i++) put(c, along[i]);
}
ADAPTER(a_unravel_index) {
    tg_tensor *x = tensor(c, 0, "indices"), *along[TG_MAX_DIMS];
    ints shape = need_ints(c, 1, "shape");
    int i, n = tg_unravel_index(x, shape.n, shape.v, along);
    for (i = 0; i < n; i++) put(c, along[i]);
}
ADAPTER(a_masked_select) { tg_tensor *x = self(c); put(c, tg_masked_select(x, tensor(c, 1, "mask"))); }
ADAPTER(a_masked_scatter) {
    tg_tensor *x = self(c), *mask = tensor(c, 1, "mask"), *source = tensor(c, 2, "source");
    put(c, c->in_place ? tg_masked_scatter_(x, mask, source) : tg_masked_scatter(x, mask, source));
}
ADAPTER(a_index_put) {
    tg_tensor *x = self(c), *list[TG_MAX_DIMS], *values = tensor(c, 2, "values");
    const val *v = need(c, 1, "indices"), *e;
    bool add = flag(c, 3, "accumulate", false);
    int n = 0;
    if (!v || v->kind != V_LIST || v->count > TG_MAX_DIMS) { skip(c, "no list of indices"); return; }
    for (e = v->first; e; e = e->next) list[n++] = e->kind == V_NULL ? NULL : tensor_of(c, e);
    put(c, c->in_place ? tg_index_put_(x, list, n, values, add) : tg_index_put(x, list, n, values, add));
}
ADAPTER(a_put) {
    tg_tensor *x = self(c), *index = tensor(c, 1, "index"), *source = tensor(c, 2, "source");
    bool add = flag(c, 3, "accumulate", false);
    put(c, c->in_place ? tg_put_(x, index, source, add) : tg_put(x, index, source, add));
}
ADAPTER(a_part_scatter) {     /* select_scatter, slice_scatter, diagonal_scatter */
    tg_tensor *x = self(c), *src = tensor(c, 1, "src");
    if (c->op[1] == 'e') { int64_t dim = need_integer(c, 2, "dim"); put(c, tg_select_scatter(x, src, dim, need_integer(c, 3, "index"))); }
    else if (c->op[1] == 'l') {
        int64_t dim = integer(c, 2, "dim", 0), start = integer(c, 3, "start", 0), end = integer(c, 4, "end", INT64_MAX);
        put(c, tg_slice_scatter(x, src, dim, start, end, integer(c, 5, "step", 1)));
    } else { int64_t offset = integer(c, 2, "offset", 0), d = integer(c, 3, "dim1", 0); put(c, tg_diagonal_scatter(x, src, offset, d, integer(c, 4, "dim2", 1))); }
}
ADAPTER(a_unique) {           /* unique, unique_consecutive */
    tg_tensor *x = self(c), *inverse = NULL, *counts = NULL, *y;
    bool consecutive = ends_with(c->op, "consecutive");
    int at = consecutive ? 1 : 2;
    bool wants_inverse, wants_counts;
    if (!consecutive) (void)flag(c, 1, "sorted", true);
    wants_inverse = flag(c, at, "return_inverse", false); wants_counts = flag(c, at + 1, "return_counts", false);
    if (arg(c, at + 2, "dim")) {
        int64_t dim = integer(c, at + 2, "dim", 0);
        y = consecutive ? tg_unique_consecutive_dim(x, dim, &inverse, &counts) : tg_unique_dim(x, dim, &inverse, &counts);
    } else y = consecutive ? tg_unique_consecutive(x, &inverse, &counts) : tg_unique(x, &inverse, &counts);
    put(c, y);
    if (wants_inverse) put(c, inverse);
    if (wants_counts) put(c, counts);
}
ADAPTER(a_searchsorted) {
    tg_tensor *sorted = tensor(c, 0, "sorted_sequence"), *values = operand(c, 1, "self|input"), *sorter = maybe_tensor(c, -1, "sorter");
    const char *side = word(c, -1, "side", NULL);
    bool right = flag(c, -1, "right", false);
    put(c, tg_searchsorted(sorted, values, .right = right || (side && strcmp(side, "right") == 0), .int32 = flag(c, -1, "out_int32", false), .sorter = sorter));
}
ADAPTER(a_bucketize) {
    tg_tensor *x = self_of(c, 0, SELF), *boundaries = tensor(c, 1, "boundaries");
    bool right = flag(c, -1, "right", false);
    put(c, tg_bucketize(x, boundaries, right, flag(c, -1, "out_int32", false)));
}
ADAPTER(a_isin) {
    tg_tensor *x = operand(c, 0, "elements|element"), *test = operand(c, 1, "test_elements|test_element");
    (void)flag(c, -1, "assume_unique", false);
    put(c, tg_isin(x, test, flag(c, -1, "invert", false)));
}
ADAPTER(a_bincount) { tg_tensor *x = self(c), *weights = maybe_tensor(c, 1, "weights"); put(c, tg_bincount(x, weights, integer(c, 2, "minlength", 0))); }
ADAPTER(a_histc) {
    tg_tensor *x = self(c);
    int64_t bins = integer(c, 1, "bins", 100);
    double low = number(c, 2, "min", 0);
    put(c, tg_histc(x, bins, low, number(c, 3, "max", 0)));
}
ADAPTER(a_histogram) {
    tg_tensor *x = self(c), *weight = maybe_tensor(c, -1, "weight"), *edges = NULL;
    const val *bins = arg(c, 1, "bins"), *range = arg(c, -1, "range");
    bool density = flag(c, -1, "density", false);
    double ends[2] = { 0, 0 };
    if (is_kind(bins, V_TENSOR)) { put(c, tg_histogram_edges(x, bins->t, weight, density)); put(c, bins->t); return; }
    if (range && (range->count != 2 || !is_scalar(child(range, 0)) || !is_scalar(child(range, 1)))) { skip(c, "a range of another kind"); return; }
    if (range) { ends[0] = child(range, 0)->n; ends[1] = child(range, 1)->n; }
    put(c, tg_histogram(x, integer(c, 1, "bins", 100), range ? ends : NULL, weight, density, &edges));
    put(c, edges);
}
ADAPTER(a_mode) {
    tg_tensor *x = self(c), *at = NULL;
    int64_t dim = integer(c, 1, "dim", -1);
    put(c, tg_mode(x, dim, flag(c, 2, "keepdim", false), &at));
    put(c, at);
}
ADAPTER(a_nanmedian) {
    tg_tensor *x = self(c), *at = NULL;
    int64_t dim = integer(c, 1, "dim", 0);
    if (!arg(c, 1, "dim")) { put(c, tg_nanmedian(x)); return; }
    put(c, tg_nanmedian_dim(x, dim, flag(c, 2, "keepdim", false), &at));
    put(c, at);
}
ADAPTER(a_quantile) {         /* quantile, nanquantile */
    static const char *const modes[] = { "linear", "lower", "higher", "nearest", "midpoint" };
    tg_tensor *x = self(c), *q = operand(c, 1, "q");
    const char *mode = word(c, 4, "interpolation", "linear");
    bool keep = flag(c, 3, "keepdim", false);
    tg_maybe dim = maybe(c, 2, "dim");
    int i = 0;
    while (i < 5 && strcmp(modes[i], mode) != 0) i++;
    if (i == 5) skip(c, "another interpolation");
    put(c, c->op[0] == 'n' ? tg_nanquantile(x, q, .dim = dim, .keepdim = keep, .interpolation = (tg_quantile_mode)i)
                           : tg_quantile(x, q, .dim = dim, .keepdim = keep, .interpolation = (tg_quantile_mode)i));
}
ADAPTER(a_gradient) {
    tg_tensor *x = self(c), *y[TG_MAX_DIMS], *places[TG_MAX_DIMS];
    const val *spacing = arg(c, -1, "spacing"), *e;
    ints dims = int_list(c, -1, "dim");
    double apart[TG_MAX_DIMS];
    bool tensors = is_kind(spacing, V_LIST) && is_kind(child(spacing, 0), V_TENSOR);
    int i, n = 0;
    if (is_scalar(spacing)) apart[n++] = spacing->n;
    else if (spacing && !tensors && spacing->count == 1 && dims.n != 1) { skip(c, "one spacing in a list stands for one dimension there, for all here"); return; }
    else if (spacing) for (e = spacing->first; e; e = e->next) {
        if (n == TG_MAX_DIMS || (!tensors && !is_scalar(e))) { skip(c, "a spacing of another kind"); return; }
        if (tensors) places[n++] = tensor_of(c, e); else apart[n++] = e->n;
    }
    n = tg_gradient(x, y, TG_MAX_DIMS, .dims = dims.v, .n_dims = dims.n, .coordinates = tensors ? places : NULL, .spacing = apart, .n_spacing = tensors ? 0 : n, .edge_order = (int)integer(c, -1, "edge_order", 1));
    for (i = 0; i < n; i++) put(c, y[i]);
    if (!n) put(c, NULL);
}
ADAPTER(a_cumulative_trapezoid) {
    tg_tensor *y = self_of(c, 0, "y"), *x = is_kind(arg(c, 1, "x|dx"), V_TENSOR) ? maybe_tensor(c, 1, "x") : NULL;
    double dx = x ? 1 : number(c, 1, "dx", 1);
    put(c, tg_cumulative_trapezoid(y, x, dx, integer(c, -1, "dim", -1)));
}
ADAPTER(a_pad_sequence) {
    tensors l = tensor_list(c, 0, "sequences");
    const bool first = flag(c, 1, "batch_first", false);
    const double value = number(c, 2, "padding_value", 0);
    if (l.n == 0) { skip(c, "an empty list belongs to no context"); return; }
    if (strcmp(word(c, 3, "padding_side", "right"), "right") != 0) { skip(c, "padded on the right only"); return; }
    put(c, tg_pad_sequence(l.t, l.n, first, value));
}

/* `composed`: the library has no such operation of its own; the adapter joins two or more that it has. Formula rows need no line here. */
typedef struct adapter { const char *op; void (*call)(call *c); bool composed; } adapter;
static const adapter adapters[] = {
    /* scan */
    { "cumsum", a_cumsum, 0 }, { "cumprod", a_cumprod, 0 }, { "cummax", a_cummax, 0 }, { "cummin", a_cummin, 0 }, { "logcumsumexp", a_logcumsumexp, 0 },

    /* window */
    { "sched.StepLR", a_sched, 0 }, { "sched.MultiStepLR", a_sched, 0 }, { "sched.ConstantLR", a_sched, 0 }, { "sched.LinearLR", a_sched, 0 }, { "sched.ExponentialLR", a_sched, 0 },
    { "sched.PolynomialLR", a_sched, 0 }, { "sched.CosineAnnealingLR", a_sched, 0 }, { "sched.CosineAnnealingWarmRestarts", a_sched, 0 }, { "sched.OneCycleLR", a_sched, 0 },
    { "sched.CyclicLR", a_sched, 0 }, { "sched.SequentialLR", a_sched, 0 }, { "sched.ReduceLROnPlateau", a_plateau, 0 },
    { "optim.SGD", a_optim, 0 }, { "optim.Adam", a_optim, 0 }, { "optim.AdamW", a_optim, 0 }, { "optim.RMSprop", a_optim, 0 }, { "optim.Adagrad", a_optim, 0 }, { "optim.Adadelta", a_optim, 0 },
    { "optim.Adamax", a_optim, 0 }, { "optim.NAdam", a_optim, 0 }, { "optim.RAdam", a_optim, 0 }, { "optim.ASGD", a_optim, 0 }, { "optim.Rprop", a_optim, 0 }, { "optim.SparseAdam", a_optim, 0 },
    { "optim.Muon", a_optim, 0 }, { "optim.LBFGS", a_lbfgs, 0 }, { "nn.utils.clip_grad_norm_", a_clip_grad, 0 }, { "nn.utils.clip_grad_value_", a_clip_grad, 0 },
    { "nn.functional.conv1d", a_conv, 0 }, { "nn.functional.conv2d", a_conv, 0 }, { "nn.functional.conv3d", a_conv, 0 },
    { "nn.functional.conv_transpose1d", a_conv_transpose, 0 }, { "nn.functional.conv_transpose2d", a_conv_transpose, 0 }, { "nn.functional.conv_transpose3d", a_conv_transpose, 0 },
    { "nn.functional.pad", a_pad, 0 }, { "constant_pad_nd", a_pad, 0 }, { "nn.functional.unfold", a_fold, 0 }, { "nn.functional.fold", a_fold, 0 },
    { "nn.functional.pixel_shuffle", a_pixel_shuffle, 0 }, { "nn.functional.pixel_unshuffle", a_pixel_unshuffle, 0 }, { "nn.functional.channel_shuffle", a_channel_shuffle, 0 },
    { "nn.functional.dropout1d", a_dropout1d, 0 }, { "nn.functional.dropout2d", a_dropout2d, 0 }, { "nn.functional.dropout3d", a_dropout3d, 0 },
    { "nn.functional.alpha_dropout", a_alpha_dropout, 0 }, { "nn.functional.feature_alpha_dropout", a_feature_alpha_dropout, 0 },

    /* pool */
    { "nn.functional.max_pool1d", max_pool, 0 }, { "nn.functional.max_pool2d", max_pool, 0 }, { "nn.functional.max_pool3d", max_pool, 0 }, 
    { "nn.functional.avg_pool1d", avg_pool, 0 }, { "nn.functional.avg_pool2d", avg_pool, 0 }, { "nn.functional.avg_pool3d", avg_pool, 0 }, 
    { "nn.functional.lp_pool1d", lp_pool, 0 }, { "nn.functional.lp_pool2d", lp_pool, 0 }, { "nn.functional.lp_pool3d", lp_pool, 0 }, 
    { "nn.functional.adaptive_avg_pool1d", adaptive_pool, 0 }, { "nn.functional.adaptive_avg_pool2d", adaptive_pool, 0 }, { "nn.functional.adaptive_avg_pool3d", adaptive_pool, 0 }, 
    { "nn.functional.adaptive_max_pool1d", adaptive_pool, 0 }, { "nn.functional.adaptive_max_pool2d", adaptive_pool, 0 }, { "nn.functional.adaptive_max_pool3d", adaptive_pool, 0 }, 
    { "nn.functional.max_unpool1d", max_unpool, 0 }, { "nn.functional.max_unpool2d", max_unpool, 0 }, { "nn.functional.max_unpool3d", max_unpool, 0 },

    { "nn.functional.interpolate", a_interpolate, 0 }, { "nn.functional.grid_sample", a_grid_sample, 0 }, { "nn.functional.affine_grid", a_affine_grid, 0 },

    /* attention */
    { "nn.functional.scaled_dot_product_attention", a_sdpa, 0 }, { "nn.functional.multi_head_attention_forward", a_heads, 0 },

    /* rnn */
    { "nn.LSTM", a_rnn, 0 }, { "nn.GRU", a_rnn, 0 }, { "nn.RNN", a_rnn, 0 }, { "nn.LSTMCell", a_rnn, 0 }, { "nn.GRUCell", a_rnn, 0 }, { "nn.RNNCell", a_rnn, 0 },
    { "nn.init.calculate_gain", a_init, 0 }, { "nn.init._calculate_fan_in_and_fan_out", a_init, 0 }, { "nn.init.xavier_uniform_.limit", a_init, 0 }, { "nn.init.xavier_normal_.limit", a_init, 0 },
    { "nn.init.kaiming_uniform_.limit", a_init, 0 }, { "nn.init.kaiming_normal_.limit", a_init, 0 }, { "nn.init.eye_", a_init, 0 }, { "nn.init.dirac_", a_init, 0 },
    { "nn.Linear.init_limits", a_layer_limits, 0 }, { "nn.Conv2d.init_limits", a_layer_limits, 0 },
    { "nn.BatchNorm1d", a_norm_module, 0 }, { "nn.BatchNorm2d", a_norm_module, 0 }, { "nn.BatchNorm3d", a_norm_module, 0 }, { "nn.InstanceNorm2d", a_norm_module, 0 },
    { "nn.MultiheadAttention", a_attention_module, 0 }, { "nn.TransformerEncoderLayer", a_transformer, 0 }, { "nn.TransformerDecoderLayer", a_transformer, 0 },
    { "nn.TransformerEncoder", a_transformer, 0 },

    /* search */
    { "isposinf", a_isinf_sign, 0 }, { "isneginf", a_isinf_sign, 0 }, { "nonzero", a_nonzero, 0 }, { "argwhere", a_nonzero, 0 }, { "unravel_index", a_unravel_index, 0 },
    { "masked_select", a_masked_select, 0 }, { "masked_scatter", a_masked_scatter, 0 }, { "masked_scatter_", a_masked_scatter, 0 }, { "index_put", a_index_put, 0 }, { "index_put_", a_index_put, 0 },
    { "masked_fill_", a_masked_fill, 0 }, { "index_fill_", a_index_copy, 0 }, { "index_copy_", a_index_copy, 0 }, { "index_add_", a_index_add, 0 }, { "scatter_", a_scatter, 0 },
    { "scatter_add_", a_scatter, 0 }, { "scatter_reduce_", a_scatter_reduce, 0 }, { "put", a_put, 0 }, { "put_", a_put, 0 }, { "index_reduce", a_scatter_reduce, 0 }, { "select_scatter", a_part_scatter, 0 }, { "slice_scatter", a_part_scatter, 0 },
    { "diagonal_scatter", a_part_scatter, 0 }, { "unique", a_unique, 0 }, { "unique_consecutive", a_unique, 0 }, { "searchsorted", a_searchsorted, 0 }, { "bucketize", a_bucketize, 0 },
    { "isin", a_isin, 0 }, { "bincount", a_bincount, 0 }, { "histc", a_histc, 0 }, { "histogram", a_histogram, 0 }, { "mode", a_mode, 0 }, { "nanmedian", a_nanmedian, 0 },
    { "quantile", a_quantile, 0 }, { "nanquantile", a_quantile, 0 }, { "gradient", a_gradient, 0 }, { "nn.functional.embedding_bag", a_embedding_bag, 0 },
    { "nn.utils.rnn.pad_sequence", a_pad_sequence, 0 }, { "cumulative_trapezoid", a_cumulative_trapezoid, 0 },

    /* elementwise */
    { "deg2rad", a_deg2rad, 0 }, { "rad2deg", a_rad2deg, 0 }, { "signbit", a_signbit, 0 }, { "bitwise_not", a_bitwise_not, 0 }, { "logaddexp2", a_logaddexp2, 0 },
    { "heaviside", a_heaviside, 0 }, { "nan_to_num", a_nan_to_num, 0 }, { "isclose", a_isclose, 0 },
    { "nn.functional.relu6", a_relu6, 0 }, { "nn.functional.selu", a_selu, 0 }, { "nn.functional.softsign", a_softsign, 0 }, { "nn.functional.tanhshrink", a_tanhshrink, 0 },
    { "nn.functional.celu", a_celu, 0 }, { "nn.functional.hardtanh", a_hardtanh, 0 }, { "nn.functional.threshold", a_threshold, 0 }, { "nn.functional.hardshrink", a_hardshrink, 0 },
    { "nn.functional.softshrink", a_softshrink, 0 }, { "nn.functional.prelu", a_prelu, 0 }, { "nn.functional.rrelu", a_rrelu, 0 },
    { "logsumexp", a_logsumexp, 0 }, { "norm", a_norm, 0 }, { "linalg.vector_norm", a_norm, 0 }, { "dist", a_dist, 0 }, { "renorm", a_renorm, 0 }, { "nanmean", a_nansum, 0 }, { "median", a_median, 0 },
    { "diff", a_diff, 0 }, { "trapezoid", a_trapezoid, 0 }, { "nn.functional.batch_norm", a_batch_norm, 0 }, { "nn.functional.instance_norm", a_batch_norm, 0 },
    { "nn.functional.layer_norm", a_layer_norm, 0 }, { "nn.functional.rms_norm", a_layer_norm, 0 }, { "nn.functional.group_norm", a_group_norm, 0 }, { "nn.functional.local_response_norm", a_local_response_norm, 0 },
    { "add", a_add, 0 }, { "add_", a_add, 0 }, { "sub", a_add, 0 }, { "sub_", a_add, 0 }, { "rsub", a_rsub, 0 },
    { "div", a_div, 0 }, { "div_", a_div, 0 }, { "true_divide", a_div, 0 },
    { "clamp", a_clamp, 0 }, { "clamp_", a_clamp, 0 }, { "clamp_min", a_clamp_min, 0 }, { "clamp_min_", a_clamp_min, 0 },
    { "clamp_max", a_clamp_max, 0 }, { "clamp_max_", a_clamp_max, 0 }, { "round", a_round, 0 }, { "round_", a_round, 0 },
    { "addcmul", a_addcmul, 0 }, { "addcmul_", a_addcmul, 0 }, { "addcdiv", a_addcmul, 0 }, { "addcdiv_", a_addcmul, 0 },
    { "fill", a_fill, 0 }, { "fill_", a_fill, 0 }, { "zero_", a_zero, 0 }, { "float_power", a_float_power, 0 },
    /* compare */
    { "allclose", a_allclose, 0 }, { "equal", a_equal, 0 },
    /* reduce */
    { "sum", a_sum, 0 }, { "mean", a_sum, 0 }, { "prod", a_prod, 0 }, { "amax", a_amax, 0 }, { "amin", a_amin, 0 }, { "any", a_any, 0 }, { "all", a_all, 0 },
    { "max", a_max, 0 }, { "min", a_max, 0 }, { "argmax", a_argmax, 0 }, { "argmin", a_argmax, 0 }, { "aminmax", a_aminmax, 0 },
    { "var", a_var, 0 }, { "std", a_var, 1 }, { "var_mean", a_var, 0 }, { "std_mean", a_var, 0 }, { "count_nonzero", a_count_nonzero, 0 }, { "nansum", a_nansum, 0 },
    /* shape */
    { "reshape", a_reshape, 0 }, { "view", a_reshape, 0 }, { "reshape_as", a_reshape_as, 0 }, { "view_as", a_reshape_as, 0 }, { "expand_as", a_reshape_as, 0 },
    { "permute", a_permute, 0 }, { "transpose", a_transpose, 0 }, { "t", a_t, 0 }, { "T", a_T, 0 }, { "mT", a_mT, 0 }, { "flatten", a_flatten, 0 }, { "ravel", a_ravel, 0 },
    { "squeeze", a_squeeze, 0 }, { "unsqueeze", a_unsqueeze, 0 }, { "expand", a_expand, 0 }, { "broadcast_to", a_expand, 0 }, { "unflatten", a_unflatten, 0 },
    { "movedim", a_movedim, 0 }, { "narrow", a_narrow, 0 }, { "select", a_select, 0 }, { "unbind", a_unbind, 0 }, { "split", a_split, 0 }, { "chunk", a_split, 0 },
    { "split_with_sizes", a_split, 0 }, { "tensor_split", a_tensor_split, 0 }, { "hsplit", a_tensor_split, 0 }, { "vsplit", a_tensor_split, 0 }, { "dsplit", a_tensor_split, 0 },
    { "cat", a_cat, 0 }, { "stack", a_cat, 0 }, { "hstack", a_hstack, 0 }, { "vstack", a_hstack, 0 }, { "dstack", a_hstack, 0 }, { "column_stack", a_hstack, 0 },
    { "atleast_1d", a_atleast, 0 }, { "atleast_2d", a_atleast, 0 }, { "atleast_3d", a_atleast, 0 }, { "contiguous", a_contiguous, 0 }, { "clone", a_clone, 0 },
    { "to", a_to, 0 }, { "float", a_to, 0 }, { "double", a_to, 0 }, { "half", a_to, 0 }, { "bfloat16", a_to, 0 }, { "long", a_to, 0 }, { "int", a_to, 0 },
    { "short", a_to, 0 }, { "char", a_to, 0 }, { "byte", a_to, 0 }, { "bool", a_to, 0 }, { "item", a_item, 0 }, { "meshgrid", a_meshgrid, 0 },
    { "cartesian_prod", a_hstack, 0 }, { "block_diag", a_hstack, 0 }, { "combinations", a_combinations, 0 }, { "broadcast_shapes", a_broadcast_shapes, 1 }, { "broadcast_tensors", a_broadcast_tensors, 0 }, { "as_strided", a_as_strided, 0 }, { "unfold", a_unfold, 0 },
    { "diagonal", a_diagonal, 0 }, { "linalg.diagonal", a_diagonal, 0 }, { "diag", a_diag, 0 }, { "trace", a_trace, 0 }, { "tril", a_diag, 0 }, { "triu", a_diag, 0 }, { "tril_", a_diag, 0 }, { "triu_", a_diag, 0 }, { "diagflat", a_diag, 0 }, { "diag_embed", a_diagonal, 0 },
    { "flip", a_flip, 0 }, { "fliplr", a_flip, 0 }, { "flipud", a_flip, 0 }, { "rot90", a_rot90, 0 }, { "roll", a_roll, 0 }, { "repeat", a_repeat, 0 }, { "tile", a_repeat, 0 },
    { "repeat_interleave", a_repeat_interleave, 0 },
    /* index */
    { "__getitem__", a_getitem, 0 }, { "gather", a_gather, 0 }, { "scatter", a_scatter, 0 }, { "scatter_add", a_scatter, 0 }, { "scatter_reduce", a_scatter_reduce, 0 },
    { "index_select", a_index_select, 0 }, { "index_add", a_index_add, 0 }, { "index_copy", a_index_copy, 0 }, { "index_fill", a_index_copy, 0 },
    { "masked_fill", a_masked_fill, 0 }, { "take", a_take, 0 }, { "take_along_dim", a_take_along_dim, 0 },
    /* sort */
    { "sort", a_sort, 0 }, { "argsort", a_sort, 0 }, { "msort", a_sort, 0 }, { "topk", a_topk, 0 }, { "kthvalue", a_kthvalue, 0 },
    /* creation */
    { "zeros", a_zeros, 0 }, { "ones", a_zeros, 0 }, { "empty", a_zeros, 0 }, { "rand", a_zeros, 0 }, { "randn", a_zeros, 0 }, { "full", a_full, 0 },
    { "zeros_like", a_like, 0 }, { "ones_like", a_like, 0 }, { "full_like", a_like, 0 }, { "empty_like", a_like, 0 }, { "rand_like", a_like, 0 }, { "randn_like", a_like, 0 },
    { "new_zeros", a_like, 0 }, { "new_ones", a_like, 0 }, { "new_full", a_like, 0 }, { "new_empty", a_like, 0 }, { "randint", a_randint, 0 }, { "randint_like", a_randint_like, 0 },
    { "normal", a_normal, 0 }, { "bernoulli", a_bernoulli, 0 }, { "arange", a_arange, 0 }, { "eye", a_eye, 0 }, { "linspace", a_linspace, 0 }, { "logspace", a_linspace, 0 },
    { "multinomial", a_multinomial, 0 }, { "randperm", a_randperm, 0 }, { "tril_indices", a_tril_indices, 0 }, { "triu_indices", a_tril_indices, 0 },
    /* matmul */
    { "matmul", a_matmul, 0 }, { "mm", a_matmul, 0 }, { "bmm", a_matmul, 0 }, { "mv", a_matmul, 0 }, { "dot", a_matmul, 0 }, { "vdot", a_matmul, 0 }, { "inner", a_matmul, 0 },
    { "outer", a_matmul, 0 }, { "kron", a_matmul, 0 }, { "linalg.vecdot", a_vecdot, 0 }, { "addmm", a_addmm, 0 }, { "addmm_", a_addmm, 0 }, { "addmv", a_addmm, 0 }, { "addmv_", a_addmm, 0 },
    { "baddbmm", a_addmm, 0 }, { "baddbmm_", a_addmm, 0 }, { "addbmm", a_addmm, 0 }, { "addbmm_", a_addmm, 0 }, { "addr", a_addmm, 0 }, { "addr_", a_addmm, 0 },
    { "linalg.multi_dot", a_multi_dot, 0 }, { "einsum", a_einsum, 0 }, { "tensordot", a_tensordot, 0 }, { "linalg.matrix_power", a_matrix_power, 0 },
    { "matrix_exp", a_matrix_exp, 0 }, { "cross", a_cross, 0 }, { "linalg.cross", a_cross, 0 }, { "linalg.vander", a_vander, 0 }, { "cov", a_cov, 0 }, { "corrcoef", a_corrcoef, 0 },
    { "cdist", a_cdist, 0 },
    /* nn, conv, loss, module */
    { "nn.functional.leaky_relu", a_leaky_relu, 0 }, { "nn.functional.elu", a_elu, 0 }, { "nn.functional.softplus", a_softplus, 0 }, { "nn.functional.gelu", a_gelu, 0 },
    { "softmax", a_softmax, 0 }, { "log_softmax", a_softmax, 0 }, { "nn.functional.softmin", a_softmax, 0 }, { "nn.functional.linear", a_linear, 0 },
    { "nn.functional.dropout", a_dropout, 0 }, { "nn.functional.one_hot", a_one_hot, 0 }, { "nn.functional.embedding", a_embedding, 0 },
    { "nn.functional.glu", a_glu, 0 },
    { "nn.functional.bilinear", a_bilinear, 0 }, { "nn.functional.pairwise_distance", a_pairwise_distance, 0 }, { "nn.functional.cosine_similarity", a_cosine_similarity, 0 },
    { "nn.functional.normalize", a_normalize, 0 },
    { "nn.functional.mse_loss", a_mse_loss, 0 }, { "nn.functional.l1_loss", a_l1_loss, 0 }, { "nn.functional.smooth_l1_loss", a_smooth_l1_loss, 0 },
    { "nn.functional.huber_loss", a_huber_loss, 0 }, { "nn.functional.cross_entropy", a_cross_entropy, 0 }, { "nn.functional.nll_loss", a_nll_loss, 0 },
    { "nn.functional.binary_cross_entropy", a_binary_cross_entropy, 0 }, { "nn.functional.binary_cross_entropy_with_logits", a_binary_cross_entropy_with_logits, 0 }, { "nn.functional.kl_div", a_kl_div, 0 },
    { "nn.functional.margin_ranking_loss", a_margin_ranking_loss, 0 }, { "nn.functional.cosine_embedding_loss", a_cosine_embedding_loss, 0 }, { "nn.functional.hinge_embedding_loss", a_hinge_embedding_loss, 0 },
    { "nn.functional.gaussian_nll_loss", a_gaussian_nll_loss, 0 }, { "nn.functional.poisson_nll_loss", a_poisson_nll_loss, 0 }, { "nn.functional.multi_margin_loss", a_multi_margin_loss, 0 },
    { "nn.functional.multilabel_margin_loss", a_multilabel_margin_loss, 0 }, { "nn.functional.multilabel_soft_margin_loss", a_multilabel_soft_margin_loss, 0 }, { "nn.functional.soft_margin_loss", a_soft_margin_loss, 0 },
    { "nn.functional.pdist", a_pdist, 0 }, { "nn.functional.ctc_loss", a_ctc_loss, 0 }, { "nn.functional.triplet_margin_loss", a_triplet_margin_loss, 0 },
    { "nn.utils.parameters_to_vector", a_parameters_to_vector, 1 },
    { NULL, NULL, 0 }
};

/* What carries out an operator: its own adapter, a formula row, or for X_ the adapter of X whose result is copied into the argument. */
typedef struct plan { void (*call)(call *c); int formula; bool composed, copy_back; } plan;
static const char *const aliases[][2] = { { "sgn", "sign" } };       /* golden name, name of the formula row */

static bool find_formula(const char *op, plan *p) {
    char name[96];
    size_t n, i;
    int k;
    const char *base = starts_with(op, "nn.functional.") ? op + strlen("nn.functional.") : starts_with(op, "special.") ? op + strlen("special.") : op;
    for (i = 0; i < sizeof aliases / sizeof aliases[0]; i++) if (strcmp(base, aliases[i][0]) == 0) base = aliases[i][1];
    n = strlen(base);
    if (n + 4 > sizeof name || strchr(base, '.')) return false;
    memcpy(name, "tg_", 3);
    memcpy(name + 3, base, n + 1);
    if (n && name[n + 2] == '_') name[n + 2] = 0;
    for (k = 0; rows1[k].name; k++) if (strcmp(rows1[k].name, name) == 0) { p->call = formula1; p->formula = k; return true; }
    for (k = 0; rows2[k].name; k++) if (strcmp(rows2[k].name, name) == 0) { p->call = formula2; p->formula = k; return true; }
    for (k = 0; rows3[k].name; k++) if (strcmp(rows3[k].name, name) == 0) { p->call = formula3; p->formula = k; return true; }
    return false;
}
static bool find_adapter(const char *op, size_t length, plan *p) {
    const adapter *a;
    for (a = adapters; a->op; a++) if (strlen(a->op) == length && strncmp(a->op, op, length) == 0) { p->call = a->call; p->composed = a->composed; return true; }
    return false;
}
static bool find_plan(const char *op, plan *p) {
    size_t n = strlen(op);
    memset(p, 0, sizeof *p);
    if (find_adapter(op, n, p) || find_formula(op, p)) return true;
    if (n > 1 && op[n - 1] == '_' && op[n - 2] != '_' && find_adapter(op, n - 1, p)) { p->composed = p->copy_back = true; return true; }
    return false;
}

/* ----------------------------------------------------------------------------------------------------------------------------------- comparison ----
   Numbers are taken out of a tensor here, by its data, shape and strides, without the library. */

typedef struct array { tg_dtype dtype; int ndim; int64_t shape[TG_MAX_DIMS], numel; double *d; int64_t *i; } array;      /* d of floats, i of all others */

static double half_value(uint16_t h, int mantissa) {                     /* binary16 with 10 bits of mantissa, bfloat16 with 7 */
    int bias = mantissa == 10 ? 15 : 127, e = (h & 0x7fff) >> mantissa, m = h & ((1 << mantissa) - 1), i;
    double v;
    if (e == 2 * bias + 1) return m ? (double)NAN : h & 0x8000 ? -(double)INFINITY : (double)INFINITY;
    v = e ? m + (1 << mantissa) : m;
    for (i = (e ? e : 1) - bias - mantissa; i < 0; i++) v *= 0.5;
    for (; i > 0; i--) v *= 2;
    return h & 0x8000 ? -v : v;
}
static void read_element(const tg_tensor *t, int64_t at, double *d, int64_t *i) {
    const char *p = (const char *)t->data + at * (int64_t)tg_dtype_size(t->dtype);
    float f;
    uint16_t h;
    int32_t i4;
    int16_t i2;
    *d = 0; *i = 0;
    switch (t->dtype) {
        case TG_F64: memcpy(d, p, 8); break;
        case TG_F32: memcpy(&f, p, 4); *d = (double)f; break;
        case TG_F16: memcpy(&h, p, 2); *d = half_value(h, 10); break;
        case TG_BF16: memcpy(&h, p, 2); *d = half_value(h, 7); break;
        case TG_I64: memcpy(i, p, 8); break;
        case TG_I32: memcpy(&i4, p, 4); *i = i4; break;
        case TG_I16: memcpy(&i2, p, 2); *i = i2; break;
        case TG_I8: *i = *(const signed char *)p; break;
        case TG_U8: case TG_BOOL: *i = *(const unsigned char *)p; break;
        case TG_DTYPES: default: break;
    }
}
static void array_free(array *a) { free(a->d); free(a->i); a->d = NULL; a->i = NULL; }
static void array_room(array *a) {
    if (tg_dtype_is_float(a->dtype)) a->d = (double *)get_memory((size_t)a->numel, sizeof(double));
    else a->i = (int64_t *)get_memory((size_t)a->numel, sizeof(int64_t));
}
static array array_of(const tg_tensor *t) {
    array a;
    int64_t index[TG_MAX_DIMS] = { 0 }, n, at = 0;
    int k;
    memset(&a, 0, sizeof a);
    a.dtype = t->dtype; a.ndim = t->ndim; a.numel = 1;
    if (t->device != TG_CPU && !(t = tg_to_device(tg_detach((tg_tensor *)(uintptr_t)t), TG_CPU))) { a.ndim = -1; a.numel = 0; return a; }
    for (k = 0; k < a.ndim; k++) { a.shape[k] = t->shape[k]; a.numel *= t->shape[k]; }
    array_room(&a);
    for (n = 0; n < a.numel; n++) {
        double d;
        int64_t i;
        read_element(t, at, &d, &i);
        if (a.d) a.d[n] = d; else a.i[n] = i;
        for (k = a.ndim - 1; k >= 0; k--) {
            at += t->stride[k];
            if (++index[k] < a.shape[k]) break;
            at -= t->stride[k] * a.shape[k];
            index[k] = 0;
        }
    }
    return a;
}
static array array_copy(const array *from) {
    array a = *from;
    array_room(&a);
    if (a.d && a.numel) memcpy(a.d, from->d, (size_t)a.numel * sizeof(double));
    if (a.i && a.numel) memcpy(a.i, from->i, (size_t)a.numel * sizeof(int64_t));
    return a;
}
static void symmetrise(array *a) {
    int64_t n = a->ndim >= 2 ? a->shape[a->ndim - 1] : 0, at, i, j;
    if (!a->d || a->ndim < 2 || n == 0 || a->shape[a->ndim - 2] != n) return;
    for (at = 0; at < a->numel; at += n * n)
        for (i = 0; i < n; i++)
            for (j = 0; j < i; j++) {
                double *p = &a->d[at + i * n + j], *q = &a->d[at + j * n + i];
                *p = *q = (*p + *q) / 2;
            }
}

typedef enum rule { EXACT, BY_ABS, BY_SHAPE, NOT_AT_ALL } rule;

/* One thing a case expects, and what came. */
typedef struct pair {
    char   what[32];
    rule   rule;
    bool   symmetric, host;               /* host: a value, in `want_value`           */
    bool   want_none, got_none;           /* an absent output; a gradient that is not there */
    double rtol, atol;
    array  want, got;
    const val *want_value;
    result got_value;
} pair;

static void say_shape(text *t, const array *a) {
    int k;
    say(t, "%s[", tg_dtype_name(a->dtype));
    for (k = 0; k < a->ndim; k++) say(t, "%s%lld", k ? ", " : "", (long long)a->shape[k]);
    say(t, "]");
}
static bool close_enough(double got, double want, double rtol, double atol) {
    if (is_nan(got) || is_nan(want)) return is_nan(got) && is_nan(want);
    if (got == want) return true;
    return is_finite(got) && is_finite(want) && magnitude(got - want) <= atol + rtol * magnitude(want);
}
static void say_result(text *t, const result *r) {
    if (r->kind == R_BOOL) say(t, "%s", r->b ? "true" : "false");
    else if (r->kind == R_INT) say(t, "%lld", (long long)r->i);
    else if (r->kind == R_NUM) say(t, "%.17g", r->n);
    else if (r->kind == R_INTS) { int64_t k; say(t, "["); for (k = 0; k < r->i; k++) say(t, "%s%lld", k ? ", " : "", (long long)r->list[k]); say(t, "]"); }
    else say(t, "%s", r->kind == R_NONE ? "none" : "a tensor");
}
static bool same_ints(const result *r, const val *w) {
    const val *e;
    int k = 0;
    if (r->kind != R_INTS || r->i != w->count) return false;
    for (e = w->first; e; e = e->next) if (e->kind != V_INT || e->i != r->list[k++]) return false;
    return true;
}
static bool same_value(const pair *p, text *t) {
    const val *w = p->want_value;
    const result *r = &p->got_value;
    bool same = w->kind == V_BOOL ? r->kind == R_BOOL && r->b == w->flag
              : w->kind == V_INT ? r->kind == R_INT && r->i == w->i
              : w->kind == V_NUM ? r->kind == R_NUM && close_enough(r->n, w->n, p->rtol, p->atol)
              : w->kind == V_LIST && same_ints(r, w);
    if (same) return true;
    say(t, "%s: value: got ", p->what);
    say_result(t, r);
    if (w->kind == V_BOOL) say(t, ", want %s", w->flag ? "true" : "false");
    else if (w->kind == V_INT) say(t, ", want %lld", (long long)w->i);
    else if (w->kind == V_NUM) say(t, ", want %.17g", w->n);
    else say(t, ", want a list");
    return false;
}
/* True if what came is what was expected; else says the difference. */
static bool match(const pair *p, text *t) {
    array want, got;
    int64_t n, bad = -1, count = 0;
    double worst = 0;
    int k, digits;
    if (p->rule == NOT_AT_ALL) return true;
    if (p->want_none || p->got_none) {
        if (p->want_none && p->got_none) return true;
        say(t, "%s: got %s, want %s", p->what, p->got_none ? "nothing" : "a tensor", p->want_none ? "nothing" : "a tensor");
        return false;
    }
    if (p->host) return same_value(p, t);
    if (p->got.dtype != p->want.dtype || p->got.ndim != p->want.ndim || (p->want.ndim && memcmp(p->got.shape, p->want.shape, (size_t)p->want.ndim * 8) != 0)) {
        say(t, "%s: %s: got ", p->what, p->got.dtype != p->want.dtype ? "dtype" : "shape");
        say_shape(t, &p->got); say(t, ", want "); say_shape(t, &p->want);
        return false;
    }
    if (p->rule == BY_SHAPE) return true;
    want = array_copy(&p->want); got = array_copy(&p->got);
    if (p->symmetric) { symmetrise(&want); symmetrise(&got); }
    for (n = 0; n < want.numel; n++) {
        bool ok;
        if (want.d) {
            double g = p->rule == BY_ABS ? magnitude(got.d[n]) : got.d[n], w = p->rule == BY_ABS ? magnitude(want.d[n]) : want.d[n];
            ok = close_enough(g, w, p->rtol, p->atol);
            if (!ok && is_finite(g - w) && magnitude(g - w) > worst) worst = magnitude(g - w);
        } else ok = got.i[n] == want.i[n];
        if (!ok) { count++; if (bad < 0) bad = n; }
    }
    if (bad >= 0) {
        int64_t index[TG_MAX_DIMS], rest = bad;
        digits = want.dtype == TG_F64 ? 17 : 9;
        for (k = want.ndim - 1; k >= 0; k--) { index[k] = rest % want.shape[k]; rest /= want.shape[k]; }
        say(t, "%s: value at [", p->what);
        for (k = 0; k < want.ndim; k++) say(t, "%s%lld", k ? ", " : "", (long long)index[k]);
        if (want.d) say(t, "]: got %.*g, want %.*g; %s", digits, got.d[bad], digits, want.d[bad], tg_dtype_name(want.dtype));
        else say(t, "]: got %lld, want %lld; %s", (long long)got.i[bad], (long long)want.i[bad], tg_dtype_name(want.dtype));
        say(t, ", %lld of %lld differ", (long long)count, (long long)want.numel);
        if (want.d) say(t, ", by up to %.2g (atol %.3g, rtol %.3g)", worst, p->atol, p->rtol);
    }
    array_free(&want); array_free(&got);
    return bad < 0;
}

/* `check`: the factors multiplied must give the first argument, to 2e-5 (f32) or 1e-9 (f64) times its largest element and its size.
   svd: U diag(S) Vh = A;  qr: Q R = A;  eigh: A V = V diag(w). */
static bool factors_fit(const char *check, const array *a, const array *f, int n_factors, text *t) {
    bool svd = strcmp(check, "svd") == 0, qr = strcmp(check, "qr") == 0;
    const array *left = svd || qr ? &f[0] : &f[1], *right = svd ? &f[2] : &f[1], *scale = svd ? &f[1] : &f[0];
    int64_t rows, columns, inner, batch, b, i, j, k, lc, rr;
    double largest = 0, worst = 0, limit;
    if (n_factors < (svd ? 3 : 2) || !a->d || a->ndim < 2) { say(t, "check: got too few factors, want %d", svd ? 3 : 2); return false; }
    rows = a->shape[a->ndim - 2]; columns = a->shape[a->ndim - 1];
    for (i = 0; i < a->numel; i++) if (magnitude(a->d[i]) > largest) largest = magnitude(a->d[i]);
    limit = (a->dtype == TG_F64 ? 1e-9 : 2e-5) * (largest > 0 ? largest : 1) * (double)(rows > columns ? rows : columns);
    batch = rows && columns ? a->numel / (rows * columns) : 0;
    lc = left->shape[left->ndim - 1]; rr = svd || qr ? right->shape[right->ndim - 2] : rows;
    inner = svd ? scale->shape[scale->ndim - 1] : qr ? lc : rows;
    if (batch && (left->shape[left->ndim - 2] != rows || lc < inner || rr < inner || (svd || qr ? right->shape[right->ndim - 1] != columns : lc != rows))) {
        say(t, "check: got factors whose shapes do not fit, want %s", check);
        return false;
    }
    for (b = 0; b < batch; b++)
        for (i = 0; i < rows; i++)
            for (j = 0; j < columns; j++) {
                double sum = 0, want, d;
                if (svd || qr) {
                    for (k = 0; k < inner; k++)
                        sum += left->d[(b * rows + i) * lc + k] * right->d[(b * rr + k) * columns + j] * (svd ? scale->d[b * inner + k] : 1);
                    want = a->d[(b * rows + i) * columns + j];
                } else {
                    for (k = 0; k < inner; k++) sum += a->d[(b * rows + i) * columns + k] * left->d[(b * rows + k) * columns + j];
                    want = left->d[(b * rows + i) * columns + j] * scale->d[b * rows + j];
                }
                d = magnitude(sum - want);
                if (is_nan(d) || d > worst) worst = is_nan(d) ? (double)INFINITY : d;
            }
    if (worst > limit) { say(t, "check: %s: got a product off by %.3g, want at most %.3g", check, worst, limit); return false; }
    return true;
}

/* --------------------------------------------------------------------------------------------------------------------------------------- one case ---- */

typedef enum outcome { PASS, FAIL, SKIP } outcome;

#define MAX_ARGS 512
#define MAX_GRADS 64
#define MAX_PAIRS (MAX_RESULTS + 3 * MAX_GRADS)
#define MAX_FAIL_LINES 100

typedef struct argument { const val *v; const tg_tensor *stored; tg_tensor *base, *t; } argument;
typedef struct op_count { char *op; long passed, failed, skipped; } op_count;

typedef struct runner {
    tg_ctx  *tg;
    tg_dict *dict;                      /* the tensors of this file */
    bool     perturb, echo, verbose, list_skipped;
    const char *only;
    tg_isa   isa;
    bool     strict;
    const char *device;                 /* NULL, "emulated" or "cuda" */
    long     mixed;
    long     passed, failed, skipped, composed, changes;
    op_count *ops;
    int      n_ops, room_ops;
    char     buffer[2048];
    text     message;
    /* the case at hand */
    int      n_arguments, n_pairs;
    argument arguments[MAX_ARGS];
    pair     pairs[MAX_PAIRS];
    array    checked;                   /* `check`: the first argument */
    const char *check;
    call     call;
} runner;

static outcome fails(runner *r, const char *format, ...) PRINTF_LIKE(2, 3);
static outcome fails(runner *r, const char *format, ...) {
    va_list list;
    if (r->message.length) return FAIL;                                    /* the first reason counts */
    va_start(list, format);
    (void)vsnprintf(r->buffer, sizeof r->buffer, format, list);
    va_end(list);
    r->message.length = strlen(r->buffer);
    return FAIL;
}
static outcome skips(runner *r, const char *why) {
    r->message.length = 0;
    (void)fails(r, "%s", why);
    return SKIP;
}
static bool any_complex(const val *v) {
    const val *e;
    if (v->kind == V_TENSOR) return v->flag;
    if (v->kind == V_LIST || v->kind == V_DICT) for (e = v->first; e; e = e->next) if (any_complex(e)) return true;
    return false;
}
static bool same_perm(const val *a, const val *b) {
    const val *p = a ? a->first : NULL, *q = b ? b->first : NULL;
    if (!a || !b) return a == b;
    for (; p && q && p->i == q->i; p = p->next) q = q->next;
    return !p && !q;
}
/* Makes every tensor among the arguments: a fresh copy of the stored one, seen through `perm`. */
static bool make_arguments(runner *r, val *v) {
    val *e;
    argument *a;
    int i;
    if (v->kind == V_LIST || v->kind == V_DICT) {
        for (e = v->first; e; e = e->next) if (!make_arguments(r, e)) return false;
        return true;
    }
    if (v->kind != V_TENSOR) return true;
    for (i = 0; i < r->n_arguments; i++) {
        a = &r->arguments[i];
        if (strcmp(a->v->s, v->s) == 0 && same_perm(a->v->perm, v->perm)) { v->t = a->t; return true; }
    }
    if (r->n_arguments == MAX_ARGS) { (void)fails(r, "the case: got more than %d tensors, want fewer", MAX_ARGS); return false; }
    a = &r->arguments[r->n_arguments++];
    a->v = v;
    a->stored = tg_dict_get(r->dict, v->s);
    if (!a->stored) { (void)fails(r, "the case: got no tensor %s, want it in the .safetensors", v->s); return false; }
    a->base = a->t = tg_from(r->tg, a->stored->ndim, a->stored->shape, a->stored->dtype, a->stored->data);
    if (r->device) a->base = a->t = tg_to_device(a->base, TG_CUDA);
    if (v->perm) {
        int64_t dims[TG_MAX_DIMS];
        for (e = v->perm->first, i = 0; e && i < TG_MAX_DIMS; e = e->next) dims[i++] = e->i;
        if (v->flag && i < TG_MAX_DIMS) { dims[i] = i; i++; }               /* real and imaginary part stay last */
        a->t = tg_permute(a->base, i, dims);
    }
    v->t = a->t;
    if (!a->t) { (void)fails(r, "the arguments: got the error %s, want none", tg_error_text(r->tg)); return false; }
    return true;
}
static tg_tensor *argument_named(runner *r, const char *key) {
    int i;
    for (i = 0; i < r->n_arguments; i++) if (strcmp(r->arguments[i].v->s, key) == 0) return r->arguments[i].t;
    return NULL;
}
static double case_number(const val *cs, const char *name) { const val *v = field(cs, name); return v ? v->n : 0; }

static pair *new_pair(runner *r, const val *cs, bool gradient) {
    pair *p;
    if (r->n_pairs == MAX_PAIRS) return NULL;
    p = &r->pairs[r->n_pairs++];
    memset(p, 0, sizeof *p);
    p->rtol = case_number(cs, gradient ? "grtol" : "rtol");
    p->atol = case_number(cs, gradient ? "gatol" : "atol");
    return p;
}
static void free_pairs(runner *r) {
    int i;
    for (i = 0; i < r->n_pairs; i++) { array_free(&r->pairs[i].want); array_free(&r->pairs[i].got); }
    r->n_pairs = 0;
    array_free(&r->checked);
    r->check = NULL;
}
static const char *out_key(const val *o) { const val *t = field(o, "t"); return o->kind == V_STR ? o->s : t ? t->s : NULL; }

/* Expected output number i beside what came. */
static bool pair_output(runner *r, const val *cs, const val *o, const result *got, int i) {
    pair *p = new_pair(r, cs, false);
    const val *cmp = field(o, "cmp"), *v = field(o, "v");
    const char *key = out_key(o);
    if (!p) return false;
    (void)snprintf(p->what, sizeof p->what, "out %d", i);
    p->got_value = *got;
    p->got_none = got->kind == R_NONE;
    if (cmp) p->rule = strcmp(cmp->s, "abs") == 0 ? BY_ABS : strcmp(cmp->s, "shape") == 0 ? BY_SHAPE : NOT_AT_ALL;
    if (o->kind == V_NULL) { p->want_none = true; return true; }
    if (v) { p->host = true; p->want_value = v; return true; }
    if (!key || !tg_dict_get(r->dict, key)) { (void)fails(r, "the case: got no tensor for output %d, want it in the .safetensors", i); return false; }
    p->want = array_of(tg_dict_get(r->dict, key));
    if (got->kind == R_TENSOR) p->got = array_of(got->t);
    else if (got->kind != R_NONE) { (void)fails(r, "out %d: got a number, want a tensor", i); return false; }
    return true;
}
static bool pair_gradients(runner *r, const val *cs, const val *list, const char *what, tg_tensor *const *got, const val *grads) {
    const val *e, *g, *sym = field(cs, "gcmp");
    for (e = list->first; e; e = e->next) {
        const val *name = field(e, "arg"), *key = field(e, "g");
        const tg_tensor *want = key && key->kind == V_STR ? tg_dict_get(r->dict, key->s) : NULL;
        pair *p = new_pair(r, cs, true);
        int i = 0;
        for (g = grads->first; g && name && strcmp(field(g, "arg")->s, name->s) != 0; g = g->next) i++;
        if (!p || !g || !want) { (void)fails(r, "the case: got a gradient without its tensors, want them in the .safetensors"); return false; }
        (void)snprintf(p->what, sizeof p->what, "%s %d", what, i);
        p->symmetric = sym != NULL;
        p->want = array_of(want);
        if (r->echo) p->got = array_of(want);
        else if (got[i]) p->got = array_of(got[i]); else p->got_none = true;
    }
    return true;
}
static outcome library_error(runner *r, const char *where) { return fails(r, "%s: got the error \"%s\", want none", where, tg_error_text(r->tg)); }

/* Gradients of first and second order, as the README has them. */
static outcome differentiate(runner *r, const val *cs) {
    const val *gout = field(cs, "gout"), *grads = field(cs, "grads"), *v = field(cs, "v"), *g2 = field(cs, "g2"), *o, *e;
    tg_tensor *outputs[MAX_RESULTS], *seeds[MAX_RESULTS], *inputs[MAX_GRADS], *got[MAX_GRADS], *s = NULL;
    int n = 0, m = 0, i;
    call *c = &r->call;
    for (i = 0, o = child(field(cs, "out"), 0), e = child(gout, 0); e && o && i < c->n_out; e = e->next, o = o->next, i++) {
        const val *cmp = field(o, "cmp");
        tg_tensor *g = e->kind == V_STR ? tg_dict_get(r->dict, e->s) : NULL;
        if (e->kind == V_NULL) continue;
        if (!g || c->out[i].kind != R_TENSOR) return fails(r, "the case: got no tensor for gout %d, want it in the .safetensors", i);
        if (r->device) g = tg_to_device(g, c->out[i].t->device);
        if (cmp && strcmp(cmp->s, "abs") == 0) g = tg_mul(g, tg_sign(tg_detach(c->out[i].t)));
        outputs[n] = c->out[i].t; seeds[n++] = g;
    }
    for (e = grads->first; e; e = e->next) {
        if (m == MAX_GRADS) return fails(r, "the case: got more than %d gradients, want fewer", MAX_GRADS);
        inputs[m++] = argument_named(r, field(e, "arg")->s);
    }
    if (!n) return fails(r, "the case: got gradients without a gout, want one");
    memset(got, 0, sizeof got);
    if (!tg_grad(outputs, n, inputs, m, got, .allow_unused = true, .grad_outputs = seeds, .retain_graph = v != NULL)) return library_error(r, "tg_grad");
    if (!pair_gradients(r, cs, grads, "grad", got, grads)) return FAIL;
    if (!v) return PASS;
    if (!tg_grad(outputs, n, inputs, m, got, .allow_unused = true, .grad_outputs = seeds, .create_graph = true)) return library_error(r, "tg_grad with create_graph");
    if (!pair_gradients(r, cs, grads, "grad (create_graph)", got, grads)) return FAIL;
    if (!g2 || !g2->count) return PASS;
    for (e = v->first, i = 0; e && i < m; e = e->next, i++) {
        tg_tensor *term = got[i] ? tg_sum(tg_mul(got[i], tg_to_device(tg_dict_get(r->dict, e->s), got[i]->device))) : NULL;
        if (term) s = s ? tg_add(s, term) : term;
    }
    if (!s || !tg_grad(&s, 1, inputs, m, got, .allow_unused = true)) return library_error(r, "second order");
    for (e = g2->first; e; e = e->next)                                /* torch lists some that do not influence s, with zeros */
        for (i = 0; i < m; i++) if (!got[i] && !r->echo && inputs[i] == argument_named(r, field(e, "arg")->s)) got[i] = tg_zeros_like(inputs[i]);
    return pair_gradients(r, cs, g2, "second", got, grads) ? PASS : FAIL;
}

/* The case must be refused, and the context must be usable afterwards. */
static outcome refused(runner *r) {
    call *c = &r->call;
    int i;
    bool nothing = c->n_out == 0;
    tg_tensor *one;
    if (!tg_failed(r->tg)) return fails(r, "the call: got a result, want a refusal");
    for (i = 0; i < c->n_out; i++) {
        const result *o = &c->out[i];
        if ((o->kind == R_TENSOR && !o->t) || (o->kind == R_BOOL && !o->b) || o->kind == R_INT || (o->kind == R_NUM && is_nan(o->n))) nothing = true;
    }
    if (!nothing) return fails(r, "the call: got a result beside the error \"%s\", want none", tg_error_text(r->tg));
    if (!tg_error_text(r->tg)[0] || tg_error(r->tg) == TG_OK) return fails(r, "the error: got no text or code, want both");
    tg_clear(r->tg);
    one = tg_ones(r->tg, TG_SHAPE(2));
    if (tg_failed(r->tg) || !one || !close_enough(tg_item(tg_sum(one)), 2, 0, 0)) return fails(r, "after the error: got no sum of ones, want a context that works");
    return PASS;
}

static outcome evaluate(runner *r, const val *cs, bool error, const plan *p) {
    call *c = &r->call;
    const val *grads = field(cs, "grads"), *out = field(cs, "out"), *e;
    val *v;
    tg_tensor *self_before = NULL;
    int i;
    char base_name[96];
    bool in_place = c->in_place;
    for (e = grads ? grads->first : NULL; e; e = e->next) {
        const val *name = field(e, "arg");
        tg_tensor *t = name ? argument_named(r, name->s) : NULL;
        if (!t) return fails(r, "the case: got a gradient of no argument, want the key of one");
        if (!tg_require_grad(t, true)) return library_error(r, "tg_require_grad");
    }
    c->gradients = grads && grads->count > 0;
    if (p->copy_back) {
        size_t n = strlen(c->op);
        if (n > sizeof base_name) return skips(r, "a long name");
        memcpy(base_name, c->op, n - 1);
        base_name[n - 1] = 0;
        self_before = self(c);
        c->op = base_name; c->in_place = false;
    }
    p->call(c);
    if (p->copy_back && c->n_out == 1 && c->out[0].t && self_before && tg_dtype_is_float(c->out[0].t->dtype) && !tg_dtype_is_float(self_before->dtype)) skip(c, "a real result into integers");
    if (p->copy_back && c->n_out == 1 && c->out[0].kind == R_TENSOR) c->out[0].t = tg_copy_(self_before, c->out[0].t);
    if (c->skip) return skips(r, c->skip);
    for (v = c->args->first; v; v = v->next) if (!v->used && v->kind != V_NULL) return skips(r, "an argument that the adapter does not know");
    for (v = c->kwargs->first; v; v = v->next) if (!v->used && v->kind != V_NULL) return skips(r, "a named argument that the adapter does not know");
    if (error) return refused(r);
    if (tg_failed(r->tg)) return library_error(r, "the call");
    for (i = 0; i < c->n_out; i++) if (c->out[i].kind == R_TENSOR && !c->out[i].t) return fails(r, "out %d: got NULL without an error, want a tensor", i);
    if (!out || c->n_out != out->count) return fails(r, "outputs: got %d, want %d", c->n_out, out ? out->count : 0);
    if (in_place && c->out[0].t != c->self) return fails(r, "out 0: got another tensor, want the first argument itself");
    for (e = out->first, i = 0; e; e = e->next, i++) if (!pair_output(r, cs, e, &c->out[i], i)) return FAIL;
    return grads && grads->count ? differentiate(r, cs) : PASS;
}

/* The expected outputs as results. */
static outcome echo(runner *r, const val *cs) {
    const val *out = field(cs, "out"), *e, *list;
    int i = 0;
    if (field(cs, "error")) return skips(r, "a refusal");
    for (e = out->first; e; e = e->next, i++) {
        result o;
        const val *v = field(e, "v");
        const char *key = out_key(e);
        memset(&o, 0, sizeof o);
        o.kind = key ? R_TENSOR : v && v->kind == V_BOOL ? R_BOOL : v && v->kind == V_INT ? R_INT : v && v->kind == V_NUM ? R_NUM : R_NONE;
        if (key) o.t = tg_dict_get(r->dict, key);
        if (v) { o.b = v->flag; o.i = v->i; o.n = v->n; }
        if (is_kind(v, V_LIST)) return skips(r, "a list of numbers");
        if (!pair_output(r, cs, e, &o, i)) return FAIL;
    }
    list = field(cs, "grads");
    if (list && !pair_gradients(r, cs, list, "grad", NULL, list)) return FAIL;
    return field(cs, "g2") && !pair_gradients(r, cs, field(cs, "g2"), "second", NULL, list) ? FAIL : PASS;
}
static bool inputs_unchanged(const runner *r) {
    int i;
    for (i = 0; i < r->n_arguments; i++) {
        const argument *a = &r->arguments[i];
        const tg_tensor *now = a->base->device == TG_CPU ? a->base : tg_to_device(tg_detach(a->base), TG_CPU);
        if (!now || (now->numel && memcmp(now->data, a->stored->data, (size_t)a->base->numel * tg_dtype_size(a->base->dtype)) != 0)) return false;
    }
    return true;
}
/* Runs one case and compares. `turn`: take a refusal for a result and the other way round (the runner's own test). The pairs stay until free_pairs. */
static outcome run_case(runner *r, val *cs, bool turn) {
    val *op = field(cs, "op"), *args = field(cs, "args"), *kwargs = field(cs, "kwargs"), *out = field(cs, "out"), *check = field(cs, "check"), *error = field(cs, "error"), *e;
    bool refusal = (error && error->flag) != turn;
    plan p;
    tg_mark mark;
    tg_memory_info before, after;
    outcome verdict = PASS;
    bool in_place = ends_with(op->s, "_") && !ends_with(op->s, "__");
    int i;
    r->message.out = r->buffer; r->message.room = sizeof r->buffer; r->message.length = 0;
    r->buffer[0] = 0;
    r->n_arguments = 0;
    free_pairs(r);
    if (!r->echo && !find_plan(op->s, &p)) return skips(r, "no adapter");
    if (!turn) for (e = args->first; e; e = e->next) if (!settle(e)) return skips(r, "an argument of a kind that the library lacks");
    if (!turn) for (e = kwargs->first; e; e = e->next) if (!settle(e)) return skips(r, "an argument of a kind that the library lacks");
    if (!r->echo) {
        if (any_complex(args) || any_complex(kwargs)) return skips(r, "complex");
        for (e = out ? out->first : NULL; e; e = e->next) if (field(e, "complex")) return skips(r, "complex");
    }
    memset(&r->call, 0, sizeof r->call);
    r->call.tg = r->tg; r->call.op = op->s; r->call.args = args; r->call.kwargs = kwargs;
    r->call.in_place = in_place;
    if (!r->echo) r->call.formula = p.formula;
    before = tg_memory(r->tg);
    mark = tg_begin(r->tg);
    if (!make_arguments(r, args) || !make_arguments(r, kwargs)) verdict = FAIL;
    else verdict = r->echo ? echo(r, cs) : evaluate(r, cs, refusal, &p);
    if (verdict == PASS && !refusal) {
        for (i = 0; i < r->n_pairs; i++) if (!match(&r->pairs[i], &r->message)) { verdict = FAIL; break; }
        for (i = 0; r->echo && i < r->n_pairs; i++) if (r->pairs[i].rule == BY_SHAPE) check = NULL;       /* stored factors of several decompositions */
        if (verdict == PASS && check) {
            const val *first = child(args, 0);
            array factors[4];
            r->check = check->s;
            if (is_kind(first, V_TENSOR)) r->checked = array_of(first->t);
            for (i = 0; i < 4 && i < r->n_pairs; i++) factors[i] = r->pairs[i].got;
            if (!factors_fit(check->s, &r->checked, factors, i, &r->message)) verdict = FAIL;
        }
        if (verdict == PASS && !in_place && !inputs_unchanged(r)) verdict = fails(r, "arguments: got one that the call has changed, want them as they were");
    }
    if (tg_failed(r->tg)) tg_clear(r->tg);
    tg_end(r->tg, mark);
    after = tg_memory(r->tg);
    if (verdict == PASS && (after.live_tensors != before.live_tensors || after.live_nodes != before.live_nodes))
        verdict = fails(r, "memory: got %lld tensors and %lld nodes that live on (leaks %lld tensors), want none", (long long)(after.live_tensors - before.live_tensors),
                       (long long)(after.live_nodes - before.live_nodes), (long long)(after.live_tensors - before.live_tensors));
    return verdict;
}

/* ---------------------------------------------------------------------------------------------------------------------------- the runner's own test ---- */

static void unnoticed(runner *r, const val *cs, const char *where, const char *what) {
    r->failed++;
    if (r->failed <= MAX_FAIL_LINES) printf("UNNOTICED %s %s: %s\n", field(cs, "id")->s, where, what);
}
static bool notices(runner *r, const pair *p) {
    r->message.length = 0;
    r->changes++;
    return !match(p, &r->message);
}
/* Changes one expectation in every way that must matter, each by as little as can be told apart. */
static void perturb_pair(runner *r, const val *cs, const pair *original) {
    pair p = *original;
    val v;
    if (p.rule == NOT_AT_ALL) return;
    p.want_none = !p.want_none;
    p.got_none = original->got_none;
    if ((p.want_none || p.got_none) && !notices(r, &p)) unnoticed(r, cs, p.what, "presence");
    p.want_none = original->want_none;
    if (p.want_none) return;
    if (p.host) {
        v = *p.want_value;
        p.want_value = &v;
        if (v.kind == V_BOOL) v.flag = !v.flag;
        else if (v.kind == V_INT) v.i++;
        else if (v.kind == V_LIST) v.count++;
        else v.n = !is_finite(v.n) ? 1 : v.n + 4 * (p.atol + p.rtol * magnitude(v.n)) + (p.atol == 0 && p.rtol == 0 ? 1e-12 * (1 + magnitude(v.n)) : 0);
        if (!notices(r, &p)) unnoticed(r, cs, p.what, "value");
        v = *original->want_value;
        v.kind = v.kind == V_BOOL ? V_INT : V_BOOL;
        if (!notices(r, &p)) unnoticed(r, cs, p.what, "kind of value");
        return;
    }
    p.want.dtype = tg_dtype_is_float(original->want.dtype) ? (original->want.dtype == TG_F32 ? TG_F64 : TG_F32) : original->want.dtype == TG_I64 ? TG_I32 : TG_I64;
    if (!notices(r, &p)) unnoticed(r, cs, p.what, "dtype");
    p.want.dtype = original->want.dtype;
    if (p.want.ndim > 0) p.want.ndim--;
    else { p.want.ndim = 1; p.want.shape[0] = 1; }
    if (!notices(r, &p)) unnoticed(r, cs, p.what, "number of dimensions");
    p.want.ndim = original->want.ndim;
    if (p.want.ndim > 0) {
        p.want.shape[p.want.ndim - 1]++;
        if (!notices(r, &p)) unnoticed(r, cs, p.what, "shape");
        p.want.shape[p.want.ndim - 1]--;
    }
    if (p.rule != BY_SHAPE && p.want.numel > 0) {
        int64_t places[3], at;
        int i;
        places[0] = 0; places[1] = p.symmetric ? 0 : p.want.numel / 2; places[2] = p.want.numel - 1;         /* on the diagonal, where it counts in full */
        p.want = array_copy(&original->want);
        for (i = 0; i < 3; i++) {
            at = places[i];
            if (p.want.d) {
                double w = original->want.d[at];
                if (p.rule == BY_ABS) w = magnitude(w);
                p.want.d[at] = !is_finite(w) ? 1 : w + 4 * (p.atol + p.rtol * magnitude(w)) + (p.atol == 0 && p.rtol == 0 ? 1e-12 * (1 + magnitude(w)) : 0);
            } else p.want.i[at] = p.want.dtype == TG_BOOL ? !p.want.i[at] : p.want.i[at] + 1;
            if (!notices(r, &p)) unnoticed(r, cs, p.what, "element");
            if (p.want.d) p.want.d[at] = (double)NAN;
            if (p.want.d && !is_nan(original->want.d[at]) && !notices(r, &p)) unnoticed(r, cs, p.what, "element made NaN");
            if (p.want.d) p.want.d[at] = original->want.d[at]; else p.want.i[at] = original->want.i[at];
        }
        array_free(&p.want);
    }
}
static void perturb_case(runner *r, val *cs) {
    int i;
    long before = r->failed;
    for (i = 0; i < r->n_pairs; i++) perturb_pair(r, cs, &r->pairs[i]);
    if (r->check && r->checked.d && r->checked.numel) {
        double largest = 0;
        array factors[4];
        int64_t n;
        for (n = 0; n < r->checked.numel; n++) if (magnitude(r->checked.d[n]) > largest) largest = magnitude(r->checked.d[n]);
        for (i = 0; i < 4 && i < r->n_pairs; i++) factors[i] = r->pairs[i].got;
        r->checked.d[r->checked.numel / 2] += 0.01 * (largest > 0 ? largest : 1);
        r->message.length = 0;
        r->changes++;
        if (factors_fit(r->check, &r->checked, factors, i, &r->message)) unnoticed(r, cs, "check", "product of the factors");
    }
    if (!r->echo) {
        r->changes++;
        if (run_case(r, cs, true) != FAIL) unnoticed(r, cs, "the call", "refusal taken for a result, or a result for a refusal");
    }
    if (r->failed == before) r->passed++;
}

/* ----------------------------------------------------------------------------------------------------------------------------------------- files ---- */

#if defined(sigsetjmp)                  /* glibc where signal blocks the signal in its handler: the jump must unblock it */
static sigjmp_buf crash_point;
#define CRASH_SET(point) sigsetjmp(point, 1)
#define CRASH_JUMP(point) siglongjmp(point, 1)
#else
static jmp_buf crash_point;
#define CRASH_SET(point) setjmp(point)
#define CRASH_JUMP(point) longjmp(point, 1)
#endif
static volatile sig_atomic_t crash_armed;
static void on_crash(int number) {
    if (crash_armed) { crash_armed = 0; (void)signal(number, on_crash); CRASH_JUMP(crash_point); }
    _Exit(3);
}
#if defined(__SANITIZE_ADDRESS__)
#define CATCH_CRASHES 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(undefined_behavior_sanitizer)
#define CATCH_CRASHES 0
#endif
#endif
#ifndef CATCH_CRASHES
#define CATCH_CRASHES 1
#endif

static void quiet(void *user, tg_log_level level, const char *line) { (void)user; (void)level; (void)line; }

static bool open_context(runner *r, const char *tensors_path) {
    tg_config config;
    memset(&config, 0, sizeof config);
    config.hooks.log = quiet;
    config.isa = r->isa;
    config.strict = r->strict;
    r->tg = tg_open(&config);
    if (!r->tg) { fprintf(stderr, "golden: tg_open failed\n"); return false; }
    if (r->device && !tg_cuda_open(r->tg, 0, .folder = strcmp(r->device, "emulated") == 0 ? "build/cuda" : NULL, .synchronise = true)) { fprintf(stderr, "golden: %s\n", tg_error_text(r->tg)); tg_close(r->tg); r->tg = NULL; return false; }
    r->dict = tg_safetensors_load(r->tg, tensors_path);
    if (!r->dict) { fprintf(stderr, "golden: %s: %s\n", tensors_path, tg_error_text(r->tg)); tg_close(r->tg); r->tg = NULL; return false; }
    return true;
}
static char *read_text(const char *path) {
    FILE *f = fopen(path, "rb");
    size_t size = 0, room = 1 << 16, n;
    char *p;
    if (!f) return NULL;
    p = (char *)malloc(room + 1);
    while (p && (n = fread(p + size, 1, room - size, f)) > 0) {
        size += n;
        if (size == room) {
            char *q = (char *)realloc(p, room * 2 + 1);
            if (!q) { free(p); p = NULL; break; }
            p = q; room *= 2;
        }
    }
    if (p) p[size] = 0;
    (void)fclose(f);
    return p;
}
static op_count *count_of(runner *r, const char *op) {
    int i;
    for (i = r->n_ops - 1; i >= 0; i--) if (strcmp(r->ops[i].op, op) == 0) return &r->ops[i];
    if (r->n_ops == r->room_ops) {
        op_count *p;
        r->room_ops = r->room_ops ? r->room_ops * 2 : 256;
        p = (op_count *)realloc(r->ops, (size_t)r->room_ops * sizeof *p);
        if (!p) { fprintf(stderr, "golden: out of memory\n"); exit(2); }
        r->ops = p;
    }
    memset(&r->ops[r->n_ops], 0, sizeof r->ops[0]);
    r->ops[r->n_ops].op = copy_text(op);
    return &r->ops[r->n_ops++];
}
/* One case, with a crash of the library counted as its failure: that context is left behind and a new one is opened. */
static outcome guarded(runner *r, val *cs, const char *tensors_path) {
    outcome o;
    if (CATCH_CRASHES) {
        if (CRASH_SET(crash_point)) {
            r->message.length = 0;
            (void)fails(r, "the call: got a crash, want none");
            if (!open_context(r, tensors_path)) exit(2);
            return FAIL;
        }
        crash_armed = 1;
    }
    o = run_case(r, cs, false);
    if (r->device && o == FAIL && strstr(r->buffer, " is on device ")) { r->mixed++; o = SKIP; }
    crash_armed = 0;
    return o;
}
static void run_line(runner *r, char *line, const char *path, int number, const char *tensors_path) {
    parser ps;
    val *cs, *id, *op;
    op_count *count;
    outcome o;
    plan p;
    memset(&ps, 0, sizeof ps);
    ps.p = line; ps.room = strlen(line) + 2;
    ps.pool = (val *)get_memory(ps.room, sizeof(val));
    cs = parse_value(&ps, 0);
    blanks(&ps);
    id = field(cs, "id"); op = field(cs, "op");
    if (ps.bad || *ps.p || !is_kind(id, V_STR) || !is_kind(op, V_STR) || !is_kind(field(cs, "args"), V_LIST) || !is_kind(field(cs, "kwargs"), V_DICT)
        || (!field(cs, "error") && (!is_kind(field(cs, "out"), V_LIST) || !is_kind(field(cs, "gout"), V_LIST) || !is_kind(field(cs, "grads"), V_LIST)))) {
        printf("FAIL %s:%d: the line: got something else, want a case\n", path, number);
        r->failed++;
        free(ps.pool);
        return;
    }
    if (r->only && !strstr(id->s, r->only) && !strstr(op->s, r->only)) { free(ps.pool); return; }
    count = count_of(r, op->s);
    o = guarded(r, cs, tensors_path);
    if (o == PASS) {
        count->passed++;
        if (!r->echo && find_plan(op->s, &p) && p.composed) r->composed++;
        if (r->perturb) perturb_case(r, cs); else r->passed++;
        if (r->verbose) printf("ok   %s\n", id->s);
    } else if (o == SKIP) {
        count->skipped++;
        r->skipped++;
        if (r->verbose) printf("skip %s: %s\n", id->s, r->buffer);
    } else if (r->perturb) {               /* that is the plain run's affair */
        count->skipped++;
        r->skipped++;
    } else {
        count->failed++;
        if (++r->failed <= MAX_FAIL_LINES) printf("FAIL %s: %s\n", id->s, r->buffer);
    }
    free_pairs(r);
    free(ps.pool);
}
static void run_file(runner *r, const char *dir, const char *name) {
    size_t n = strlen(dir) + strlen(name) + 16;
    char *path = (char *)get_memory(n, 1), *tensors_path = (char *)get_memory(n, 1), *text_, *line, *next;
    int number = 0;
    (void)snprintf(path, n, "%s/%s", dir, name);
    (void)snprintf(tensors_path, n, "%s/%.*s.safetensors", dir, (int)(strlen(name) - strlen(".jsonl")), name);
    text_ = read_text(path);
    if (!text_) { printf("FAIL %s: the file: got no text, want cases\n", path); r->failed++; }
    else if (!open_context(r, tensors_path)) { printf("FAIL %s: the file: got no tensors, want %s\n", path, tensors_path); r->failed++; }
    else {
        for (line = text_; line && *line; line = next) {
            next = strchr(line, '\n');
            if (next) *next++ = 0;
            number++;
            if (*line) run_line(r, line, path, number, tensors_path);
        }
        tg_dict_free(r->dict);
        tg_close(r->tg);
    }
    r->tg = NULL; r->dict = NULL;
    free(text_); free(path); free(tensors_path);
}
static int by_name(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* All *.jsonl of a folder in the order of their names; the number of them, -1 where there is no such folder. */
static int run_folder(runner *r, const char *dir) {
    DIR *d = opendir(dir);
    struct dirent *e;
    char **names = NULL, **grown;
    size_t n = 0, i;
    if (!d) return -1;
    while ((e = readdir(d)) != NULL) {
        if (!ends_with(e->d_name, ".jsonl")) continue;
        grown = (char **)realloc(names, (n + 1) * sizeof *names);
        if (!grown) { fprintf(stderr, "golden: out of memory\n"); exit(2); }
        names = grown;
        names[n++] = copy_text(e->d_name);
    }
    (void)closedir(d);
    if (n) qsort(names, n, sizeof *names, by_name);
    for (i = 0; i < n; i++) { run_file(r, dir, names[i]); free(names[i]); }
    free(names);
    return (int)n;
}
static int run_dir(runner *r, const char *dir) {
    int n = run_folder(r, dir);
    if (n == 0) {
        size_t room = strlen(dir) + 8;
        char *inner = (char *)get_memory(room, 1);
        (void)snprintf(inner, room, "%s/ops", dir);
        n = run_folder(r, inner);
        free(inner);
    }
    return n;
}

static bool isa_named(const char *name, tg_isa *isa) {
    static const char *const names[] = { "best", "plain", "avx2", "avx512", "neon", "simd128" };
    int i;
    for (i = 0; i <= (int)TG_ISA_SIMD128; i++) if (strcmp(name, names[i]) == 0) { *isa = (tg_isa)i; return tg_isa_supported(*isa) || i == 0; }
    return false;
}

int main(int argc, char **argv) {
    runner *r = (runner *)get_memory(1, sizeof(runner));
    int i, dirs = 0, whole = 0, part = 0, none = 0, found = 0;
    const char *name;
    for (i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--verbose") == 0) r->verbose = true;
        else if (strcmp(argv[i], "--perturb") == 0) r->perturb = true;
        else if (strcmp(argv[i], "--echo") == 0) r->echo = true;
        else if (strcmp(argv[i], "--list-skipped") == 0) r->list_skipped = true;
        else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc) r->only = argv[++i];
        else if (strcmp(argv[i], "--strict") == 0) r->strict = true;
        else if (strcmp(argv[i], "--device") == 0 && i + 1 < argc && (strcmp(argv[i + 1], "emulated") == 0 || strcmp(argv[i + 1], "cuda") == 0)) r->device = argv[++i];
        else if (strcmp(argv[i], "--isa") == 0 && i + 1 < argc && isa_named(argv[i + 1], &r->isa)) i++;
        else if (argv[i][0] == '-') { fprintf(stderr, "usage: golden [--only TEXT] [--verbose] [--list-skipped] [--perturb] [--echo] [--isa NAME] [--strict] [--device emulated|cuda] [DIR...]\n"); return 2; }
    }
    if (CATCH_CRASHES) { (void)signal(SIGSEGV, on_crash); (void)signal(SIGFPE, on_crash); (void)signal(SIGILL, on_crash); }
    for (i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--only") == 0 || strcmp(argv[i], "--isa") == 0 || strcmp(argv[i], "--device") == 0) { i++; continue; }
        if (argv[i][0] == '-') continue;
        dirs++;
        found = run_dir(r, argv[i]);
        if (found <= 0) { printf("FAIL %s: the folder: got no *.jsonl, want some\n", argv[i]); r->failed++; }
    }
    if (!dirs && (found = run_dir(r, "../shared/golden")) <= 0) {
        printf("no ../shared/golden here: nothing was run\n");
        r->skipped++;
    }
    for (i = 0; i < r->n_ops; i++) {
        const op_count *o = &r->ops[i];
        if (o->passed + o->failed == 0) none++; else if (o->skipped || o->failed) part++; else whole++;
        if (o->failed || (o->skipped && (r->list_skipped || o->passed))) printf("%s: %ld passed, %ld failed, %ld skipped\n", o->op, o->passed, o->failed, o->skipped);
        free(o->op);
    }
    free(r->ops);
    name = r->perturb ? r->echo ? "golden-echo-perturb" : "golden-perturb" : r->echo ? "golden-echo" : "golden";
    if (r->failed > MAX_FAIL_LINES) printf("%ld more failures are not shown\n", r->failed - MAX_FAIL_LINES);
    printf("operators: %d whole, %d in part, %d not at all; %ld of the passed cases join several calls", whole, part, none, r->composed);
    if (r->perturb) printf("; %ld changes", r->changes);
    if (r->device) printf("; %ld cases mix devices", r->mixed);
    printf("\n%s: %ld passed, %ld failed, %ld skipped\n", name, r->passed, r->failed, r->skipped);
    i = r->failed ? 1 : 0;
    free(r);
    return i;
}
