/* run.sh flags: -lm */
/* Tensors whose numbers do not stand at strides, given to every function that takes a tensor, at each of its operands in turn: block-quantised; row-sparse; inside tg_vmap, which stands for every
   example at once; escaped from a tg_vmap that has ended; of an outer tg_vmap, inside an inner one. A call either refuses it in the name of a function and changes nothing, or it is right: only where
   its row says so, or, inside tg_vmap, with results that are inside it too; and tg_vmap gives what the loop over examples gives. Behind them tensors that have no numbers at all: all operands, or one
   beside full ones. The rows stand in tests/calls.h. */
#include "test.h"
#include "calls.h"

enum { PLAIN, BLOCKS, SPARSE, MAPPED, ESCAPED, OUTER, OPAQUES, EXAMPLES = 3 };
static const char *const opaque_names[OPAQUES] = { "plain", "block-quantised", "row-sparse", "inside tg_vmap", "escaped from tg_vmap", "of an outer tg_vmap" };

static void *raw_alloc(void *user, void *stream, size_t n) { (void)user; (void)stream; return malloc(n + 1); }           /* a device of host memory that declines all work */
static void raw_release(void *user, void *stream, void *p, size_t n) { (void)user; (void)stream; (void)n; free(p); }
static bool raw_copy(void *user, void *stream, void *to, const void *from, size_t n) { (void)user; (void)stream; memcpy(to, from, n); return true; }
static tg_launch raw_launch(void *user, void *stream, const tg_request *r, const tg_operand *o, void *const *base) { (void)user; (void)stream; (void)r; (void)o; (void)base; return TG_LAUNCH_DECLINED; }
static bool no_file(void *user, const char *path, const void *const *parts, const size_t *sizes, int n) { (void)user; (void)path; (void)parts; (void)sizes; (void)n; return true; }
static bool keeps(void *user, tg_tensor *const *x, int n, tg_tensor **y, int m) { (void)n; (void)m; y[0] = x[0]; *(tg_tensor **)user = tg_keep(x[0]); return true; }
static tg_tensor *of_kind(tg_ctx *tg, int kind, char letter) {
    tg_tensor *t = whole(tg, letter, kind == ESCAPED ? EXAMPLES : 0, false), *made = NULL, *out;
    tg_function_call f = call_of(keeps, &made, &t, 1, 1);
    if (kind == BLOCKS) return tg_to(strchr("sda", letter) ? whole(tg, 'v', 0, false) : tg_to(tg_detach(t), TG_F32), TG_Q8_0);
    if (kind == SPARSE && t->ndim == 0) return tg_sparse_new(tg_to(tg_zeros(tg, TG_SHAPE(1)), TG_I64), tg_unsqueeze(t, 0), 1);
    if (kind == SPARSE) return tg_sparse_new(tg_arange(tg, 0, t->shape[0] < 2 ? 1 : 2, 1, TG_I64), tg_narrow(tg_detach(t), 0, 0, t->shape[0] < 2 ? 1 : 2), t->shape[0]);
    if (kind == ESCAPED) CHECK(tg_vmap(&f, &out));
    return kind == ESCAPED ? made : t;
}

/* ---- a call, and whether it was one of the two ---- */
typedef struct plan {
    trial c; int k, kind, at; bool (*rows)(int k, trial *c); bool judged, inside;
    tg_tensor *o[MOST], *in[MOST]; int n_in, lane[MOST];       /* lane: which input of the tg_vmap an operand is, or -1 */
} plan;
static const char *known[900];
static int n_known;
static uint64_t numbers_of_any(tg_tensor *t) {                /* the bytes, of all examples; of the rows, which they are */
    tg_tensor *of = t->opaque == TG__MAPPED ? t->inner : t;
    const int64_t n = t->opaque == TG__SPARSE ? t->numel / t->shape[0] * t->inner->numel : of->numel;
    uint64_t h = test_hash(0, of->place, tg_dtype_bytes(of->dtype, n));
    return t->opaque == TG__SPARSE ? test_hash(h, t->inner->data, (size_t)t->inner->numel * sizeof(int64_t)) : h;
}
static uint64_t header_of_any(tg_tensor *t) {
    const uint32_t v[] = { (uint32_t)t->ndim, (uint32_t)t->dtype, t->requires_grad, t->sparse_grad, t->opaque, t->alive, t->kept, t->storage->version, t->storage->shared != NULL, t->grad != NULL,
                           t->name != NULL };
    return test_hash(test_hash(0, v, sizeof v), t->shape, sizeof t->shape);
}
static bool names_function(const char *text) {
    const char *end = strstr(text, ": ");
    const size_t n = end ? (size_t)(end - text) : 0;
    int i;
    if (n == 3 && !strncmp(text, "sgd", 3)) return true;               /* tg_sgd is a macro over tg_optim_from */
    for (i = 0; i < n_known; i++) if (n && !strncmp(known[i] + 3, text, n) && (!known[i][3 + n] || !strcmp(known[i] + 3 + n, "_from"))) return true;
    return false;
}
static const char *error_of(const trial *c) {                     /* behind the layer's path, if there is one */
    const char *text = tg_failed(c->tg) ? tg_error_text(c->tg) : tg_error_text(c->to), *colon = strchr(text, ':');
    return colon && memchr(text, '.', (size_t)(colon - text)) ? colon + 2 : text;
}
static bool run_row(plan *p, tg_tensor *const *o) { p->c.o = o; p->c.go = true; p->c.ok = false; p->c.n = 0; return p->rows(p->k, &p->c) && p->c.ok; }
static void judge(plan *p, tg_tensor *const *o) {
    trial *c = &p->c;
    uint64_t numbers[MOST], header[MOST];
    char say[200];
    int i, n = (int)strlen(c->in);
    for (i = 0; i < n; i++) { numbers[i] = numbers_of_any(o[i]); header[i] = header_of_any(o[i]); }
    (void)run_row(p, o);
    sprintf(say, "%s, operand %d of \"%s\" %s%s", c->name, p->at, c->in, opaque_names[p->kind], p->n_in > (p->kind == MAPPED) ? ", the others inside tg_vmap" : "");
    p->judged = true;
    p->inside = p->kind == MAPPED && c->n > 0;
    for (i = 0; i < c->n; i++) p->inside = p->inside && c->r[i] && c->r[i]->opaque == TG__MAPPED && c->r[i]->inner && c->r[i]->out_index == c->tg->lane;
    if (tg_failed(c->tg) || tg_failed(c->to)) {
        CHECK_MSG(!c->ok && names_function(error_of(c)), "%s: %s the error is: %s", say, c->ok ? "it works, and" : "of no function", error_of(c));
        for (i = 0; i < c->n; i++) CHECK_MSG(!c->r[i], "%s: result %d is left", say, i);
        for (i = 0; i < n; i++) CHECK_MSG(header[i] == header_of_any(o[i]), "%s: refused, but operand %d is another now", say, i);
    } else {
        CHECK_MSG(c->ok, "%s: neither a result nor an error", say);
        CHECK_MSG(p->inside || (p->kind == PLAIN ? !strchr(c->may, '0') : strchr(c->may, '0' + p->kind) != NULL), "%s: it is taken%s", say, p->kind == MAPPED ? ", and what it gives is not inside" : "");
        for (i = 0; i < c->n && p->kind == BLOCKS; i++) CHECK_MSG(!c->r[i] || !tg__is_block(c->r[i]->dtype) || numbers_of_any(c->r[i]) == numbers[p->at], "%s: other blocks come out", say);
    }
    for (i = 0; i < n; i++) CHECK_MSG((c->ok && strchr(c->may, 'w')) || numbers[i] == numbers_of_any(o[i]), "%s: the numbers of operand %d have changed", say, i);
}
/* the row inside a tg_vmap: judged, or for its results */
static void operands_of(const plan *p, tg_tensor *const *x, tg_tensor **o) { int i; for (i = 0; i < MOST; i++) o[i] = p->lane[i] >= 0 ? x[p->lane[i]] : p->o[i]; }
static bool inside(void *user, tg_tensor *const *x, int n, tg_tensor **y, int m) {
    plan *p = (plan *)user;
    tg_tensor *o[MOST];
    (void)n;
    operands_of(p, x, o);
    if (p->judged) return run_row(p, o) && memcpy(y, p->c.r, (size_t)m * sizeof *y) != NULL;
    judge(p, o);
    tg_clear(p->c.tg); tg_clear(p->c.to);
    return (y[0] = x[0]) != NULL;
}
static bool map_over(plan *p, int n_outputs, tg_tensor **out) {       /* those operands that are to be inside it, or something else */
    tg_tensor *some = tg_ones(p->c.tg, TG_SHAPE(EXAMPLES));
    tg_function_call c = call_of(inside, p, p->n_in ? p->in : &some, p->n_in ? p->n_in : 1, n_outputs);
    return tg_vmap(&c, out);
}
static bool map_inner(void *user, tg_tensor *const *x, int n, tg_tensor **y, int m) {
    plan *p = (plan *)user;
    (void)n; (void)m;
    p->o[p->at] = x[0];
    return map_over(p, 1, y) && (y[0] = x[0]) != NULL;
}
static void compare_loop(plan *p) {                           /* with the loop over examples */
    tg_tensor *out[4], *x[MOST], *o[MOST];
    const int n = p->c.n;
    int e, i;
    bool ok = map_over(p, n, out);
    CHECK_MSG(ok, "%s inside tg_vmap: %s", p->c.name, error_of(&p->c));
    for (e = 0; ok && e < EXAMPLES; e++) {
        for (i = 0; i < p->n_in; i++) x[i] = tg_clone(tg_select(p->in[i], 0, e));
        operands_of(p, x, o);
        ok = run_row(p, o) && p->c.n == n;
        CHECK_MSG(ok, "%s of one example: %s", p->c.name, error_of(&p->c));
        for (i = 0; ok && i < n; i++) {
            tg_tensor *a = tg_contiguous(tg_select(out[i], 0, e)), *b = tg_contiguous(p->c.r[i]);
            ok = a && b && a->ndim == b->ndim && a->dtype == b->dtype && !memcmp(a->shape, b->shape, (size_t)a->ndim * sizeof a->shape[0]) && numbers_of_any(a) == numbers_of_any(b);
            CHECK_MSG(ok, "%s, operand %d of \"%s\" inside tg_vmap: result %d of example %d, %s, is not what the loop gives, %s", p->c.name, p->at, p->c.in, i, e, a ? tg_dtype_name(a->dtype) : "none",
                      b ? tg_dtype_name(b->dtype) : "none");
        }
    }
}

/* Operand `at` of that kind, the others plain, or `beside`, inside a tg_vmap. True: taken. */
static bool try_row(plan *p, int kind, int at, bool beside, bool graph) {
    tg_ctx *tg = p->c.tg;
    const tg_memory_info was = tg_memory(tg);
    const uint32_t lane = tg->lane;
    tg_mark m = tg_begin(tg);
    tg_tensor *out, *outer;
    bool taken;
    int i, n = (int)strlen(p->c.in);
    p->kind = kind; p->at = at; p->n_in = 0; p->judged = false;
    for (i = 0; i < MOST; i++) {
        const char letter = i < n ? p->c.in[i] : 's';
        p->lane[i] = -1; p->o[i] = NULL;
        if (i < n && (i == at ? kind == MAPPED : beside)) { p->lane[i] = p->n_in; p->in[p->n_in++] = whole(tg, letter, EXAMPLES, graph); }
        else p->o[i] = i == at ? of_kind(tg, kind, letter) : whole(tg, letter, 0, false);
    }
    CHECK_OK(tg);
    if (kind == OUTER) {
        tg_function_call f = call_of(map_inner, p, &outer, 1, 1);
        outer = whole(tg, p->c.in[at], EXAMPLES, graph);
        CHECK(tg_vmap(&f, &out));
    } else if (p->n_in) CHECK(map_over(p, 1, &out)); else judge(p, p->o);
    taken = p->c.ok;
    if (taken && kind == MAPPED && p->c.n && (p->inside || strchr(p->c.may, '3')) && !strchr(p->c.may, 'r')) compare_loop(p);
    CHECK_MSG(p->judged && tg->lane == lane, "%s, operand %d %s: it was not called", p->c.name, at, opaque_names[kind]);
    tg_clear(tg); tg_clear(p->c.to);
    if (kind == ESCAPED) tg_drop(p->o[at]);
    tg_end(tg, m);
    CHECK_OK(tg);
    CHECK_MSG(tg_memory(tg).live_tensors == was.live_tensors && tg_memory(tg).live_nodes == was.live_nodes, "%s, operand %d %s: tensors or calls are left behind its scope",
              p->c.name, at, opaque_names[kind]);
    return taken;
}

/* Operands without elements: all of them, or one beside full ones. A call refuses them in its name, or gives what has the dimensions and the type that full ones give, every element of it written;
   and gradients go back through it. */
static void try_empty(plan *p, const tg_tensor *like, int which, int at, bool graph) {
    tg_ctx *tg = p->c.tg;
    trial *c = &p->c;
    tg_mark m = tg_begin(tg);
    uint64_t header[MOST];
    char say[200];
    int i, n = (int)strlen(c->in);
    for (i = 0; i < MOST; i++) {
        lacks = at < 0 || i == at ? which : FULL;
        p->o[i] = whole(tg, i < n ? c->in[i] : 's', 0, graph);
        header[i] = header_of_any(p->o[i]);
    }
    lacks = FULL;
    CHECK_OK(tg);
    sprintf(say, "%s of \"%s\", %s of operand %d without elements (-1: all)", c->name, c->in, which == NO_ROWS ? "rows" : "columns", at);
    (void)run_row(p, p->o);
    if (tg_failed(tg) || tg_failed(c->to)) {
        CHECK_MSG(!c->ok && names_function(error_of(c)) && strlen(error_of(c)) < 500, "%s: %s", say, error_of(c));
        CHECK_MSG(tg_error(tg) != TG_ERROR_MEMORY, "%s: %s", say, error_of(c));
        for (i = 0; i < c->n; i++) CHECK_MSG(!c->r[i], "%s: result %d is left", say, i);
        for (i = 0; i < n; i++) CHECK_MSG(header[i] == header_of_any(p->o[i]), "%s: refused, but operand %d is another now", say, i);
    } else CHECK_MSG(c->ok, "%s: neither a result nor an error", say);
    for (i = 0; c->ok && i < c->n; i++) {
        tg_tensor *y = c->r[i];
        const int64_t size = y ? y->numel * (int64_t)tg_dtype_size(y->dtype) : 0;
        int64_t k, written = 0, count = 1;
        if (!y) continue;
        for (k = 0; k < y->ndim; k++) count *= y->shape[k];
        CHECK_MSG(count == y->numel, "%s: result %d has a wrong number of elements", say, i);
        if (i == 0 && like && !like->opaque) CHECK_MSG(y->dtype == like->dtype && y->ndim == like->ndim, "%s: %s of %d dimensions, of full ones it is %s of %d", say, tg_dtype_name(y->dtype), (int)y->ndim, tg_dtype_name(like->dtype), (int)like->ndim);
        if (y->opaque || size < 4 || strchr(c->may, 'r')) continue;
        y = tg_contiguous(y);
        for (k = 0; k < size; k++) written += ((const unsigned char *)y->data)[k] != 0xcd;       /* what the allocator fills memory with */
        CHECK_MSG(written > 0, "%s: result %d was never written", say, i);
        if (graph && c->r[i]->requires_grad && c->r[i]->dtype <= TG_BF16) CHECK_MSG(tg_backward(tg_sum(c->r[i]), .retain_graph = true), "%s: %s", say, tg_error_text(tg));
    }
    tg_clear(tg); tg_clear(c->to);
    tg_end(tg, m);
    CHECK_OK(tg);
}
static void try_empties(plan *p) {
    tg_ctx *tg = p->c.tg;
    const tg_mark m = tg_begin(tg);
    const tg_tensor *like;
    tg_tensor *o[MOST];
    int i, n = (int)strlen(p->c.in), which, graph;
    for (i = 0; i < MOST; i++) o[i] = whole(tg, i < n ? p->c.in[i] : 's', 0, false);
    like = run_row(p, o) && p->c.n ? p->c.r[0] : NULL;
    tg_clear(tg); tg_clear(p->c.to);
    for (which = NO_ROWS; which <= NO_COLUMNS; which++) for (graph = 0; graph < 2; graph++) for (i = -1; i < (n > 1 ? n : 0); i++) try_empty(p, like, which, i, graph);
    tg_end(tg, m);
}

/* An operand that tg_bake watches: the same comes out as without, and the watch has ended, but for those who do not look at numbers, or give the operand back. */
static void try_watched(plan *p, int at) {
    static const char looks_not[] = " tg_end_with tg_keep tg_drop tg_is_contiguous tg_has_grad tg_is_sparse tg_tape tg_tape_text tg_tape_dot tg_to tg_contiguous tg_grad_of tg_sparse_rows tg_sparse_values tg_module_leave tg_dropout ";
    tg_ctx *tg = p->c.tg;
    const uint64_t seed = test_random_state;
    const tg_random_state random = tg_random_get(tg);
    uint64_t bytes[2] = { 0, 0 };
    char name[100];
    bool ok[2];
    int i, w, n = (int)strlen(p->c.in);
    for (w = 0; w < 2; w++) {
        const tg_mark m = tg_begin(tg);
        test_random_state = seed; tg_random_set(tg, random);
        for (i = 0; i < MOST; i++) p->o[i] = whole(tg, i < n ? p->c.in[i] : 's', 0, false);
        if (w && p->o[at]->opaque) { tg_end(tg, m); return; }
        if (w) p->o[at]->opaque = TG__WATCHED;
        ok[w] = run_row(p, p->o);
        sprintf(name, " %s ", p->c.name);
        if (w) CHECK_MSG(!p->o[at]->opaque || strstr(looks_not, name), "%s, operand %d watched: its use is not seen", p->c.name, at);
        p->o[at]->opaque = 0;
        for (i = 0; ok[w] && i < p->c.n; i++) if (p->c.r[i]) bytes[w] = bytes[w] * 31 + numbers_of_any(p->c.r[i]->opaque ? p->c.r[i] : tg_contiguous(p->c.r[i]));
        tg_clear(tg); tg_clear(p->c.to);
        tg_end(tg, m);
    }
    CHECK_MSG(ok[0] == ok[1] && (strchr(p->c.may, 'r') || bytes[0] == bytes[1]), "%s, operand %d watched: another comes out", p->c.name, at);
}

int main(void) {
    static bool (*const lists[4])(int k, trial *c) = { formula, mixed, other, made };
    tg_backend raw;
    plan p;
    int l, kind, at;
    memset(&raw, 0, sizeof raw);
    raw.name = "raw"; raw.alloc = raw_alloc; raw.release = raw_release; raw.copy_in = raw.copy_out = raw_copy; raw.launch = raw_launch;
    memset(&p, 0, sizeof p);
    for (l = 0; l < 4; l++) for (p.k = 0; n_known < 900 && lists[l](p.k, &p.c); p.k++) known[n_known++] = p.c.name;
    CHECK(n_known > 500 && n_known < 900);
    for (l = 0; l < 4; l++) for (p.k = 0; p.c.go = false, lists[l](p.k, &p.c); p.k++) {
        test_heap heap = TEST_HEAP;
        tg_config config = test_config(&heap);
        config.no_cache = true; config.hooks.file_write = no_file;
        p.rows = lists[l]; p.c.tg = tg_open(&config); p.c.to = tg_open(&config);
        if (!CHECK(p.c.tg && p.c.to && strlen(p.c.in) <= MOST && tg_device_register(p.c.tg, (tg_device)2, &raw))) break;
        for (kind = 0; kind < OPAQUES; kind++) {
            bool taken = false;
            for (at = 0; at < (kind == PLAIN ? 1 : (int)strlen(p.c.in)); at++) {
                int how, ways = kind == PLAIN ? 1 : kind == MAPPED || kind == OUTER ? 4 : 2;       /* 1: the others inside a tg_vmap; 2: floats there are results of the graph */
                for (how = 0; how < ways; how++) if (!(how & 1) || p.c.in[1]) taken |= try_row(&p, kind, at, how & 1, how & 2);
            }
            CHECK_MSG(taken || (kind == PLAIN ? strchr(p.c.may, '0') != NULL : !strchr(p.c.may, '0' + kind)), "%s refuses what is %s; its row says that it may take it", p.c.name, opaque_names[kind]);
        }
        if (!strchr(p.c.may, 'e')) try_empties(&p);
        for (at = 0; at < (int)strlen(p.c.in); at++) try_watched(&p, at);
        tg_close(p.c.to); tg_close(p.c.tg);
        (void)test_heap_ended(&heap);
    }
    return test_end("opaque");
}
