/* run.sh flags: -Wl,--no-as-needed -lm -lpthread */
/* Every function of the host's that the library calls, calls every public function back: the memory, log, job, clock and file hooks, gradient hooks, the functions of
   checkpoints and derivative products, check, forward and backward of an operation of the user's. Each call works or is refused by name; afterwards the context computes
   as before, and every block comes back. (Address sanitizer sees what this program cannot: tests/sanitize.sh runs it too.) */
#include "test.h"

enum { IN_ALLOC, IN_RELEASE, IN_LOG, IN_JOBS, IN_CLOCK, IN_READ, IN_WRITE, IN_HOOK, IN_FIRST_RUN, IN_SECOND_RUN, IN_PRODUCT, IN_CHECK, IN_FORWARD, IN_BACKWARD, PLACES };
static const char *const place_names[PLACES] = { "alloc", "release", "log", "parallel_for", "clock", "file_read", "file_write", "tg_hook", "checkpoint, first run", "checkpoint, second run", "vjp", "check", "forward", "backward" };
static const char *const inside[PLACES] = { "the memory hooks", "the memory hooks", "the log hook", "the parallel_for hook", "the clock hook", "the file hooks", "the file hooks" };

typedef struct state state;
typedef struct call { const char *name; void (*run)(state *s); bool computes; } call;
struct state {
    tg_ctx *tg, *other;
    int place, depth, calls;            /* where the call is made, how often */
    const call *call;
    bool armed, once, pending;          /* pending: an error was there before the first call */
    char text[1024];                    /* the error after the first call */
    long blocks, mistakes;
    int runs;                           /* of the checkpointed function */
    tg_mark m;                          /* the scenario's scope */
    tg_tensor *w, *x, *y, *loss;        /* kept: a leaf, an operand, a result, what is being walked */
    tg_dict *dict;
    void *file; size_t file_size;
};
static void trigger(state *s, int place) {
    if (!s->armed || place != s->place || s->depth >= (s->once ? 1 : 2) || (s->once && s->calls)) return;
    s->depth++;
    if (!s->calls) s->pending = tg_failed(s->tg);
    s->call->run(s);
    if (!s->calls++) strcpy(s->text, tg_error_text(s->tg));
    s->depth--;
}

/* ---- the host's functions ---- */
static void *alloc_hook(void *user, size_t size, size_t align) {
    state *s = (state *)user;
    void *p = NULL;
    if (posix_memalign(&p, align, size ? size : 1)) return NULL;
    s->blocks++;
    trigger(s, IN_ALLOC);
    return p;
}
static void release_hook(void *user, void *p, size_t size, size_t align) { state *s = (state *)user; (void)size; (void)align; trigger(s, IN_RELEASE); s->blocks--; free(p); }
static void log_hook(void *user, tg_log_level level, const char *text) { (void)level; (void)text; trigger((state *)user, IN_LOG); }
static void jobs_hook(void *user, int64_t count, void (*body)(void *arg, int64_t i), void *arg) {
    int64_t i;
    for (i = count - 1; i >= 0; i--) { body(arg, i); if (i == count / 2) trigger((state *)user, IN_JOBS); }
}
static double clock_hook(void *user) { trigger((state *)user, IN_CLOCK); return 1; }
static bool read_hook(void *user, tg_ctx *tg, const char *path, void **data, size_t *size) {
    state *s = (state *)user;
    (void)tg; (void)path;
    trigger(s, IN_READ);
    if (!s->file || posix_memalign(data, 64, s->file_size)) return false;
    s->blocks++;
    memcpy(*data, s->file, s->file_size);
    *size = s->file_size;
    return true;
}
static bool write_hook(void *user, const char *path, const void *const *parts, const size_t *sizes, int n) {
    state *s = (state *)user;
    int i;
    (void)path;
    trigger(s, IN_WRITE);
    free(s->file);
    for (i = 0, s->file_size = 0; i < n; i++) s->file_size += sizes[i];
    s->file = malloc(s->file_size);
    for (i = 0, s->file_size = 0; i < n; s->file_size += sizes[i++]) memcpy((char *)s->file + s->file_size, parts[i], sizes[i]);
    return true;
}
static tg_tensor *gradient_hook(void *user, tg_tensor *g) { trigger((state *)user, IN_HOOK); (void)g; return NULL; }
static bool part(void *user, tg_tensor *const *in, int n_in, tg_tensor **out, int n_out) {
    state *s = (state *)user;
    (void)n_in; (void)n_out;
    out[0] = tg_tanh(tg_matmul(in[0], in[1]));
    trigger(s, s->runs++ == 0 ? IN_FIRST_RUN : IN_SECOND_RUN);
    return out[0] != NULL;
}
static bool product(void *user, tg_tensor *const *in, int n_in, tg_tensor **out, int n_out) {
    (void)n_in; (void)n_out;
    out[0] = tg_mul(tg_sin(in[0]), in[0]);
    trigger((state *)user, IN_PRODUCT);
    return out[0] != NULL;
}
static state *the_state(tg__node *n) { return *(state *const *)tg_node_attr(n); }
static bool twice_check(tg_ctx *tg, tg__node *n) { tg_tensor *x = tg_node_in(n, 0); (void)tg; trigger(the_state(n), IN_CHECK); return tg_node_make(n, 0, x->dtype, x->ndim, x->shape); }
static bool twice_forward(tg_ctx *tg, tg__node *n) {
    tg_tensor *x = tg_node_in(n, 0), *y = tg_node_out(n, 0);
    int64_t i;
    (void)tg;
    trigger(the_state(n), IN_FORWARD);
    for (i = 0; i < y->numel && x->alive; i++) ((float *)y->data)[i] = 2 * ((float *)x->data)[i];
    return true;
}
static bool twice_backward(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    trigger(the_state(n), IN_BACKWARD);
    if (tg_node_wants(n, 0)) dx[0] = tg_add(tg_mul_scalar(g[0], 2), tg_mul_scalar(tg_node_in(n, 0), 0));
    return !tg_failed(tg);
}
static const tg_op twice = { .name = "twice", .version = 1, .n_in = 1, .n_out = 1, .saves = { TG_SAVE_IN(0), 0, 0, 0 }, .attr_size = sizeof(state *), .check = twice_check, .forward = twice_forward, .backward = twice_backward };
static tg_tensor *call_twice(state *s, tg_tensor *x) { return tg_call(&twice, &s, &x, 1, NULL); }

/* ---- the calls ---- */
static tg_function_call function(state *s, tg_function f, tg_tensor *const *in, int n) { tg_function_call c; c.f = f; c.user = s; c.inputs = in; c.n_inputs = n; c.n_outputs = 1; return c; }
#define C(name, ...) static void name(state *s) { tg_ctx *tg = s->tg; (void)tg; __VA_ARGS__ }
C(c_end, tg_end(tg, s->m);)
C(c_end_with, (void)tg_end_with(tg, s->m, s->y);)
C(c_scope, tg_mark m = tg_begin(tg); (void)tg_neg(s->x); tg_end(tg, m);)
C(c_open_scope, (void)tg_begin(tg); (void)tg_ones(tg, TG_SHAPE(3));)
C(c_close, tg_close(tg);)
C(c_clear, tg_clear(tg);)
C(c_fail, (void)tg_matmul(s->x, tg_ones(tg, TG_SHAPE(7))); )
C(c_fail_clear, (void)tg_view(s->x, TG_SHAPE(7)); tg_clear(tg);)
C(c_keep, tg_keep(s->x); tg_drop(s->x);)
C(c_drop_x, tg_tensor *x = s->x; s->x = NULL; tg_drop(x); if (x && x->kept) s->x = x;)
C(c_drop_y, tg_tensor *y = s->y; s->y = NULL; tg_drop(y); if (y && y->kept) s->y = y;)
C(c_drop_w, tg_tensor *w = s->w; s->w = NULL; tg_drop(w); if (w && w->kept) s->w = w;)
C(c_drop_loss, tg_tensor *t = s->loss; s->loss = NULL; tg_drop(t); if (t && t->kept) s->loss = t;)
C(c_drop_grad, if (s->w) tg_drop(s->w->grad);)
C(c_memory, (void)tg_memory(tg); tg_trim(tg);)
C(c_text, char b[2000]; (void)tg_error_text(tg); (void)tg_error(tg); (void)tg_traceback(tg, b, sizeof b); (void)tg_failed(tg); (void)tg_error_number(tg); tg_say(tg, TG_LOG_INFO, "hello");)
C(c_print, tg_print(s->x); tg_show(s->w); if (s->x) { char b[99]; (void)tg_format(s->x, b, sizeof b); })
C(c_threads, (void)tg_threads(tg, 2); (void)tg_threads(tg, 1); (void)tg_seconds(tg);)
C(c_random, tg_seed(tg, 3); tg_stream(tg, 1); tg_random_set(tg, tg_random_get(tg)); (void)tg_rand(tg, TG_SHAPE(3)); (void)tg_dropout(s->x, 0.5, true); (void)tg_uniform_(s->x, 0, 1);)
C(c_modes, (void)tg_grad_mode(tg, false); (void)tg_anomaly(tg, true); (void)tg_anomaly(tg, false);)
C(c_grad_on, (void)tg_grad_mode(tg, true);)
C(c_add, (void)tg_add(s->x, s->w); (void)tg_exp(tg_rand(tg, TG_SHAPE(100000)));)
C(c_write, (void)tg_add_(s->x, s->x); (void)tg_zero_(s->x); (void)tg_copy_(s->x, s->y); if (s->x) { int64_t at[2] = { 0, 0 }; (void)tg_set(s->x, at, 3); (void)tg_write(s->x, at, 3); })
C(c_write_y, (void)tg_mul_(s->y, s->y);)
C(c_write_w, bool was = tg_grad_mode(tg, false); (void)tg_zero_(s->w); tg_grad_mode(tg, was);)
C(c_backward, (void)tg_backward(s->loss);)
C(c_backward_keep, (void)tg_backward(s->loss, .retain_graph = true);)
C(c_backward_create, (void)tg_backward(s->loss, .create_graph = true);)
C(c_grad, tg_tensor *g; (void)tg_grad(&s->loss, 1, &s->w, 1, &g, .retain_graph = true); (void)tg_grad(&s->loss, 1, &s->y, 1, &g, .create_graph = true);)
C(c_own_graph, bool was = tg_grad_mode(tg, true); tg_tensor *g; tg_tensor *t = tg_sum(tg_square(s->w)); (void)tg_grad(&t, 1, &s->w, 1, &g); (void)tg_backward(tg_sum(tg_exp(s->w))); tg_grad_mode(tg, was);)
C(c_zero_grad, (void)tg_zero_grad(s->w);)
C(c_require, (void)tg_require_grad(s->w, false); (void)tg_require_grad(s->x, true);)
C(c_hook, (void)tg_hook(s->w, gradient_hook, s); (void)tg_hook(s->y, gradient_hook, s); (void)tg_retain_grad(s->y);)
C(c_checkpoint, tg_tensor *in[2]; tg_tensor *out; tg_function_call c = function(s, part, in, 2); in[0] = s->x; in[1] = s->w; (void)tg_checkpoint(&c, &out);)
C(c_products, tg_tensor *out; tg_tensor *g; tg_function_call c = function(s, product, &s->x, 1); (void)tg_vjp(&c, &s->x, &out, &g); (void)tg_jvp(&c, &s->x, &out, &g); (void)tg_jacobian(&c, 0, 0); (void)tg_gradcheck(&c);)
C(c_twice, (void)call_twice(s, s->w);)
C(c_share, (void)tg_share(s->other, s->x); (void)tg_share(tg, tg_ones(s->other, TG_SHAPE(2)));)
C(c_swap, if (s->x) (void)tg_swap(s->x, tg_ones(tg, s->x->ndim, s->x->shape));)
C(c_dict, tg_dict *d = tg_dict_new(tg); (void)tg_dict_set(d, "x", s->x); tg_dict_free(d);)
C(c_dict_free, tg_dict *d = s->dict; if (s->place > IN_WRITE) s->dict = NULL; tg_dict_free(d);)
C(c_dict_set, if (s->dict) { (void)tg_dict_set(s->dict, "w", s->x); (void)tg_dict_set_meta(s->dict, "a", "b"); })
C(c_files, if (s->dict) { (void)tg_safetensors_save(s->dict, "file"); tg_dict_free(tg_safetensors_load(tg, "file")); } if (s->x) (void)tg_npy_bytes(s->x);)
C(c_tape, if (s->loss) { char b[500]; (void)tg_tape(s->loss, NULL, 0); (void)tg_tape_text(s->loss, b, sizeof b); (void)tg_tape_dot(s->loss, b, sizeof b); })
C(c_values, float f[16]; if (s->x) { (void)tg_item(tg_sum(s->x)); (void)tg_read(s->x, f, sizeof f); (void)tg_equal(s->x, s->w); })
C(c_views, (void)tg_reshape(tg_t(s->x), TG_SHAPE(16)); (void)tg_slice(s->x, ":, ::2"); (void)tg_detach(s->w); (void)tg_contiguous(tg_t(s->x)); (void)tg_expand(s->x, TG_SHAPE(2, 4, 4));)
C(c_ops, tg_tensor *list[2]; tg_tensor *i; list[0] = s->x; list[1] = s->w; (void)tg_cat(list, 2, 0); (void)tg_sort(s->x, 0, false, &i); (void)tg_softmax(s->x, 1); (void)tg_max_dim(s->x, 0, false, &i); (void)tg_matmul(s->x, s->w); (void)tg_conv2d(tg_ones(tg, TG_SHAPE(1, 2, 5, 5)), tg_ones(tg, TG_SHAPE(3, 2, 2, 2)), NULL); (void)tg_mean(s->w);)
C(c_name, if (s->x) { (void)tg_set_name(s->x, "another"); (void)tg_set_name(s->x, NULL); })
C(c_open, tg_close(tg_open(NULL));)
static const call calls[] = {
#define ROW(name, computes) { #name, c_##name, computes }
    ROW(end, true), ROW(end_with, true), ROW(scope, true), ROW(open_scope, true), ROW(close, true), ROW(clear, true), ROW(fail, true), ROW(fail_clear, true), ROW(keep, false), ROW(drop_x, false), ROW(drop_y, false), ROW(drop_w, false),
    ROW(drop_loss, false), ROW(drop_grad, false), ROW(memory, true), ROW(text, false), ROW(print, false), ROW(threads, true), ROW(random, true), ROW(modes, true), ROW(grad_on, true), ROW(add, true), ROW(write, true), ROW(write_y, false), ROW(write_w, true),
    ROW(backward, false), ROW(backward_keep, false), ROW(backward_create, false), ROW(grad, false), ROW(own_graph, true), ROW(zero_grad, true), ROW(require, true), ROW(hook, true), ROW(checkpoint, true), ROW(products, true), ROW(twice, true),
    ROW(share, true), ROW(swap, true), ROW(dict, true), ROW(dict_free, false), ROW(dict_set, false), ROW(files, false), ROW(tape, false), ROW(values, true), ROW(views, true), ROW(ops, true), ROW(name, true), ROW(open, false)
};

/* ---- what is running when the call comes ---- */
static void scenario(state *s, int variant) {
    tg_ctx *tg = s->tg;
    tg_tensor *in[2], *out = NULL, *h, *g, *gg;
    tg_function_call c;
    s->m = tg_begin(tg);
    s->w = tg_keep(tg_require_grad(tg_randn(tg, TG_SHAPE(4, 4)), true));
    s->x = tg_keep(tg_randn(tg, TG_SHAPE(4, 4)));
    s->dict = tg_dict_new(tg);
    (void)tg_dict_set(s->dict, "w", s->w);
    s->armed = true;
    (void)tg_exp(tg_rand(tg, TG_SHAPE(70000 + variant)));
    s->y = tg_keep(call_twice(s, s->w)); if (s->y) (void)tg_hook(s->y, gradient_hook, s);
    (void)call_twice(s, s->x);
    in[0] = s->x ? s->x : tg_ones(tg, TG_SHAPE(4, 4)); in[1] = s->y; s->runs = 0;
    c = function(s, part, in, 2);
    if (in[1] && tg_checkpoint(&c, &out)) {
        h = tg_sum(tg_mul(out, out));
        s->loss = tg_keep(h);
        if (variant == 0) (void)tg_backward(h);
        else if (variant == 1) (void)tg_backward(h, .retain_graph = true);
        else if (tg_grad(&h, 1, &s->w, 1, &g, .create_graph = true)) { h = tg_sum(tg_mul(g, g)); (void)tg_grad(&h, 1, &s->w, 1, &gg, .allow_unused = true); }
    }
    if (s->x) { c = function(s, product, &s->x, 1); h = s->x; (void)tg_vjp(&c, &h, &out, &g); }
    tg_print(s->x);
    (void)tg_add(tg_ones(tg, TG_SHAPE(2)), tg_ones(tg, TG_SHAPE(3)));
    tg_clear(tg);
    if (s->dict && tg_safetensors_save(s->dict, "file")) tg_dict_free(tg_safetensors_load(tg, "file"));
    (void)tg_seconds(tg);
    s->armed = false;
    tg_clear(tg);
    tg_dict_free(s->dict); s->dict = NULL;
    tg_end(tg, s->m);
    tg_drop(s->w); tg_drop(s->x); tg_drop(s->y); tg_drop(s->loss);
    s->w = s->x = s->y = s->loss = NULL;
}

static void test_all_calls(void) {
    int place, k, variant, made = 0;
    for (place = 0; place < PLACES; place++)
        for (k = 0; k < (int)(sizeof calls / sizeof calls[0]); k++)
            for (variant = 0; variant < 6; variant++) {
                state s, quiet;
                tg_config config;
                int failed = test_failed;
                memset(&s, 0, sizeof s); memset(&quiet, 0, sizeof quiet); memset(&config, 0, sizeof config);
                s.place = place; s.call = &calls[k]; s.once = variant >= 3;
                config.hooks.alloc = alloc_hook; config.hooks.release = release_hook; config.hooks.alloc_user = &s;
                config.hooks.log = log_hook; config.hooks.log_user = &s;
                config.hooks.parallel_for = jobs_hook; config.hooks.jobs_user = &s; config.hooks.jobs_width = 4;
                config.hooks.clock = clock_hook; config.hooks.clock_user = &s;
                config.hooks.file_read = read_hook; config.hooks.file_write = write_hook; config.hooks.file_user = &s;
                config.no_cache = variant % 2 == 1;
                config.isa = TG_ISA_PLAIN;
                s.tg = tg_open(&config);
                s.other = test_open();
                if (!CHECK(s.tg && s.other)) return;
                scenario(&s, variant % 3);
                made += s.calls > 0;
                if (s.calls && place <= IN_WRITE && calls[k].computes && !s.pending)        /* beside the work: refused, and by name */
                    CHECK_MSG(strstr(s.text, inside[place]) , "the error is '%s'", s.text);
                if (s.calls && !s.pending && place > IN_WRITE && strcmp(calls[k].name, "end") == 0) CHECK_MSG(strstr(s.text, "was begun by the caller of the running callback"), "the error is '%s'", s.text);
                if (s.calls && !s.pending && place > IN_WRITE && strcmp(calls[k].name, "close") == 0) CHECK_MSG(strstr(s.text, "cannot be closed from inside"), "the error is '%s'", s.text);
                if (s.calls && !s.pending && place > IN_WRITE && (strcmp(calls[k].name, "own_graph") == 0 || strcmp(calls[k].name, "add") == 0)) CHECK_MSG(s.text[0] == 0, "it should work: %s", s.text);
                if (s.calls && (place == IN_SECOND_RUN || place == IN_BACKWARD) && strcmp(calls[k].name, "backward_keep") == 0 && variant == 4) CHECK_MSG(strstr(s.text, "would run itself"), "the error is '%s'", s.text);
                tg_clear(s.tg); tg_clear(s.other);
                {                                                             /* all is as before */
                    tg_mark m = tg_begin(s.tg);
                    tg_tensor *w = tg_require_grad(tg_full(s.tg, TG_SHAPE(3), 2, TG_F32), true), *in[2], *out, *v = tg_full(s.tg, TG_SHAPE(4, 4), 0.5, TG_F32);
                    tg_function_call c = function(&s, part, in, 2);
                    in[0] = v; in[1] = tg_require_grad(tg_eye(s.tg, 4), true);
                    CHECK(tg_grad_mode(s.tg, true)); CHECK(tg_backward(tg_sum(tg_mul(w, w)))); CHECK(w->grad && tg_item(tg_sum(w->grad)) == 12);
                    CHECK(tg_checkpoint(&c, &out) && tg_backward(tg_sum(out)) && in[1]->grad); CHECK_OK(s.tg);
                    tg_end(s.tg, m);
                }
                tg_close(s.tg); test_close(s.other);
                free(s.file);
                CHECK_INT(s.blocks, 0);
                if (test_failed > failed) printf("  in %s, %s, variant %d (%d calls; the first left '%s')\n", place_names[place], calls[k].name, variant, s.calls, s.text);
            }
    CHECK_MSG(made > 2000, "only %d calls were made", made);
}

/* ---- single cases, exactly ---- */
static tg_tensor *adds_hook(void *user, tg_tensor *g) { tg_tensor *x = *(tg_tensor **)user; (void)tg_hook(x, adds_hook, user); return tg_mul_scalar(g, 2); }
static tg_tensor *mode_hook(void *user, tg_tensor *g) { (void)user; tg_grad_mode(g->tg, false); return NULL; }
static bool dead_check(tg_ctx *tg, tg__node *n) { tg_tensor *x = tg_node_in(n, 0); (void)tg; return tg_node_make(n, 0, x->dtype, x->ndim, x->shape); }
static bool dead_forward(tg_ctx *tg, tg__node *n) { (void)tg; memset(tg_node_out(n, 0)->data, 0, (size_t)tg_node_out(n, 0)->numel * 4); return true; }
static bool dead_backward(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) { tg_mark m = tg_begin(tg); (void)n; dx[0] = tg_neg(g[0]); tg_end(tg, m); return true; }
static const tg_op dead = { .name = "dead", .version = 1, .n_in = 1, .n_out = 1, .check = dead_check, .forward = dead_forward, .backward = dead_backward };
static void test_cases(void) {
    tg_ctx *tg = test_open();
    tg_tensor *x = tg_require_grad(tg_ones(tg, TG_SHAPE(2)), true), *y, *g, *z;
    CHECK(tg_hook(x, adds_hook, &x)); CHECK(tg_backward(tg_sum(x))); CHECK(tg_get(x->grad, (int64_t[1]){ 0 }) == 2);                        /* a hook that hooks: from the next walk on */
    CHECK(tg_zero_grad(x)); CHECK(tg_backward(tg_sum(x))); CHECK(tg_get(x->grad, (int64_t[1]){ 0 }) == 4);
    x = tg_require_grad(tg_full(tg, TG_SHAPE(2), 3, TG_F32), true); z = tg_exp(x); CHECK(tg_hook(z, mode_hook, NULL));                      /* the mode that a hook leaves behind is its own */
    y = tg_sum(tg_square(z)); CHECK(tg_grad(&y, 1, &x, 1, &g, .create_graph = true)); CHECK(g->requires_grad); CHECK(tg_grad_mode(tg, true));
    x = tg_require_grad(tg_ones(tg, TG_SHAPE(2)), true); CHECK(!tg_backward(tg_sum(tg_call(&dead, NULL, &x, 1, NULL))));                    /* a gradient whose scope has ended */
    CHECK(strstr(tg_error_text(tg), "its scope has ended")); CHECK_ERROR(tg, TG_ERROR_DEAD);
    test_close(tg);
}

int main(void) {
    test_cases();
    test_all_calls();
    return test_end("reenter");
}
