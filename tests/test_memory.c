/* run.sh flags: -Wl,--no-as-needed -lm -lpthread */
/* Who frees what: scopes, views, the ring of ended headers, caches, limits; every allocation fails once; sharing between contexts and threads; long graphs; opening and closing. */
#include "test.h"
#include <pthread.h>

/* ---- scopes ---- */
static void test_scopes(void) {
    tg_ctx *tg = test_open();
    tg_mark a, b, c;
    tg_tensor *x, *y, *z, *v;
    int64_t live, at[1] = { 0 };
    a = tg_begin(tg); b = tg_begin(tg); x = tg_ones(tg, TG_SHAPE(3)); c = tg_begin(tg); y = tg_neg(x);
    CHECK(x->alive && y->alive); CHECK_INT(tg_memory(tg).live_tensors, 2);
    tg_end(tg, b);                                                     /* closes c too */
    CHECK(!x->alive && !y->alive); CHECK_INT(tg_memory(tg).live_tensors, 0);
    z = tg_ones(tg, TG_SHAPE(1));
    tg_end(tg, c); tg_end(tg, b);                                      /* stale marks do nothing */
    CHECK(z->alive);
    b = tg_begin(tg);                                                  /* at the same depth as the stale mark */
    y = tg_ones(tg, TG_SHAPE(2));
    tg_end(tg, c); CHECK(y->alive);
    tg_end(tg, a); CHECK(!z->alive && !y->alive);
    { tg_mark none; none.depth = 0; none.serial = 0; x = tg_ones(tg, TG_SHAPE(1)); tg_end(tg, none); CHECK(x->alive); }

    a = tg_begin(tg); y = tg_ones(tg, TG_SHAPE(4)); z = tg_neg(y);     /* one goes to the parent */
    CHECK(tg_end_with(tg, a, z) == z); CHECK(!y->alive && z->alive); CHECK(tg_item(tg_sum(z)) == -4);
    a = tg_begin(tg); b = tg_begin(tg); z = tg_ones(tg, TG_SHAPE(4)); tg_end_with(tg, b, z); CHECK(z->alive); tg_end(tg, a); CHECK(!z->alive);
    a = tg_begin(tg); CHECK(tg_end_with(tg, a, NULL) == NULL);
    a = tg_begin(tg); x = tg_ones(tg, TG_SHAPE(2)); CHECK(tg_end_with(tg, a, x) == x && x->alive);

    live = tg_memory(tg).live_tensors;
    a = tg_begin(tg); x = tg_keep(tg_ones(tg, TG_SHAPE(2))); CHECK(tg_keep(x) == x); tg_end(tg, a); CHECK(x->alive); tg_drop(x); CHECK(x->alive); tg_drop(x); CHECK(!x->alive);
    CHECK_INT(tg_memory(tg).live_tensors, live);

    a = tg_begin(tg); x = tg_arange(tg, 0, 1000, 1, TG_F32); b = tg_begin(tg); y = tg_slice(x, "10:20"); tg_end_with(tg, b, y);
    v = tg_keep(tg_slice(y, "::2")); tg_end(tg, a);                    /* a view keeps the storage, not the header: large */
    CHECK(!x->alive || x->count > 0); CHECK(v->alive && tg_item(tg_sum(v)) == 10 + 12 + 14 + 16 + 18); tg_drop(v);
    a = tg_begin(tg); x = tg_arange(tg, 0, 10, 1, TG_F32); v = tg_keep(tg_detach(tg_slice(x, "3:5"))); tg_end(tg, a);       /* and small, where data and header are one block */
    { int i; for (i = 0; i < 600; i++) { b = tg_begin(tg); (void)tg_zeros(tg, TG_SHAPE(10)); tg_end(tg, b); } }
    CHECK(!x->alive); CHECK(tg_get(v, at) == 3); CHECK(tg_item(tg_sum(v)) == 7); tg_drop(v); CHECK(!v->alive);

    a = tg_begin(tg); x = tg_require_grad(tg_ones(tg, TG_SHAPE(2)), true); y = tg_keep(tg_square(x)); tg_end(tg, a); CHECK(tg_backward(tg_sum(y))); tg_drop(y);    /* a node keeps what it saved */
    test_close(tg);
}

/* ---- the scopes' counts and the user's are told apart: a drop too many is an error and takes nothing ---- */
static tg_tensor *counts_hook(void *user, tg_tensor *g) { *(tg_tensor **)user = g; tg_drop(g); return NULL; }      /* the gradient is the walk's */
static void test_counts(void) {
    test_heap heap = TEST_HEAP;
    tg_ctx *tg = test_open_heap(&heap), *other = test_open_heap(&heap);
    tg_mark m = tg_begin(tg), n;
    tg_tensor *x = tg_set_name(tg_neg(tg_ones(tg, TG_SHAPE(2, 3))), "x"), *w, *y, *g, *v;
    tg_drop(x); CHECK(strncmp(tg_error_text(tg), "drop: 'x' f32[2, 3], made by 'neg', is not kept: ", 49) == 0 && strstr(tg_error_text(tg), "test_memory.c")); CHECK_ERROR(tg, TG_ERROR_VALUE);
    CHECK(x->alive && tg_item(tg_sum(x)) == -6);
    tg_keep(x); tg_keep(x); tg_drop(x); tg_drop(x); CHECK_OK(tg); tg_drop(x); CHECK_ERROR(tg, TG_ERROR_VALUE); CHECK(x->alive);           /* held by the scope alone again */
    n = tg_begin(tg); y = tg_keep(tg_exp(x)); tg_end(tg, n); tg_drop(y); CHECK_OK(tg); CHECK(!y->alive);
    tg_drop(y); CHECK(strstr(tg_error_text(tg), "f32[2, 3], made by 'exp', is gone already")); CHECK_ERROR(tg, TG_ERROR_DEAD);            /* twice */
    CHECK(!tg_keep(y)); CHECK_ERROR(tg, TG_ERROR_DEAD);
    n = tg_begin(tg); y = tg_ones(tg, TG_SHAPE(4)); tg_end_with(tg, n, y); tg_drop(y); CHECK_ERROR(tg, TG_ERROR_VALUE); CHECK(y->alive);  /* the parent scope's */
    w = tg_require_grad(tg_keep(tg_ones(tg, TG_SHAPE(3))), true);
    for (n = tg_begin(tg), CHECK(tg_backward(tg_sum(tg_square(w)))), tg_end(tg, n); ; ) {
        g = w->grad; tg_drop(g); CHECK_ERROR(tg, TG_ERROR_VALUE); CHECK(w->grad == g && g->alive && tg_item(tg_sum(g)) == 6);             /* .grad's */
        tg_keep(g); tg_zero_grad(w); CHECK(g->alive); tg_drop(g); CHECK_OK(tg); CHECK(!g->alive);
        break;
    }
    n = tg_begin(tg); y = tg_exp(w); v = tg_sum(tg_mul(y, y)); tg_keep(v); tg_end(tg, n); CHECK(y->alive);                               /* the graph's alone */
    tg_drop(y); CHECK_ERROR(tg, TG_ERROR_VALUE); CHECK(y->alive && tg_backward(v)); tg_drop(v); CHECK_OK(tg);
    n = tg_begin(tg); g = NULL; y = tg_exp(w); CHECK(tg_hook(y, counts_hook, &g)); CHECK(!tg_backward(tg_sum(y))); CHECK(g != NULL); CHECK_ERROR(tg, TG_ERROR_VALUE); tg_end(tg, n);
    if (TG__HAS_ATOMICS) { v = tg_share(other, x); tg_drop(v); CHECK_OK(tg); CHECK_ERROR(other, TG_ERROR_VALUE); CHECK(v->alive); }
    { tg_dict *d = tg_dict_new(tg); n = tg_begin(tg); y = tg_ones(tg, TG_SHAPE(2)); CHECK(tg_dict_set(d, "y", y)); tg_end(tg, n);         /* a dict's */
      tg_drop(y); CHECK_ERROR(tg, TG_ERROR_VALUE); CHECK(y->alive && tg_dict_get(d, "y") == y); tg_dict_free(d); CHECK(!y->alive); }
    (void)tg_matmul(x, x); CHECK(tg_failed(tg)); tg_keep(x); tg_drop(x); tg_drop(x); CHECK_ERROR(tg, TG_ERROR_SHAPE); CHECK(x->alive);       /* while an error is pending, which stays */
    tg_end(tg, m); CHECK(!x->alive && w->alive); CHECK_INT(tg_memory(tg).live_nodes, 1);
    tg_drop(w); CHECK_OK(tg); CHECK(!w->alive); CHECK_INT(tg_memory(tg).live_nodes, 0); CHECK_INT(tg_memory(tg).live_tensors, 0);
    tg_drop(w); CHECK_ERROR(tg, TG_ERROR_DEAD);
    test_close(tg); test_close(other);
    (void)test_heap_ended(&heap);
}

/* ---- use after the scope's end ---- */
static void test_ring(void) {
    tg_ctx *tg = test_open();
    tg_tensor *dead[120], *old;
    tg_mark m = tg_begin(tg), root;
    int i, caught = 0;
    for (i = 0; i < 120; i++) dead[i] = i & 1 ? tg_neg(tg_ones(tg, TG_SHAPE(3))) : tg_ones(tg, TG_SHAPE(1000));
    tg_end(tg, m);
    root = tg_begin(tg);
    for (i = 0; i < 55; i++) { m = tg_begin(tg); (void)tg_zeros(tg, TG_SHAPE(5)); tg_end(tg, m); }    /* some more go through the ring */
    for (i = 0; i < 120; i++) {
        CHECK(!tg_neg(dead[i]));
        if (tg_error(tg) == TG_ERROR_DEAD) caught++;
        tg_clear(tg);
    }
    CHECK_INT(caught, 120);                                            /* dropped last to first: 0 is the youngest of them */
    CHECK(tg_format(dead[0], NULL, 0) > 0 && !tg_is_contiguous(dead[0]) && !tg_tape(dead[0], NULL, 0) && tg_tape_text(dead[0], NULL, 0) > 0);
    CHECK_OK(tg);
    tg_print(dead[0]);
    CHECK(!tg_view(dead[0], TG_SHAPE(1))); CHECK_ERROR(tg, TG_ERROR_DEAD);
    CHECK(!tg_backward(dead[0])); CHECK_ERROR(tg, TG_ERROR_DEAD);
    CHECK(!tg_set(dead[0], NULL, 1)); CHECK_ERROR(tg, TG_ERROR_DEAD);
    CHECK(!tg_require_grad(dead[0], true)); CHECK_ERROR(tg, TG_ERROR_DEAD);
    CHECK(!tg_to(dead[0], TG_F32)); CHECK_ERROR(tg, TG_ERROR_DEAD);
    CHECK(!tg_contiguous(dead[0])); CHECK_ERROR(tg, TG_ERROR_DEAD);
    CHECK(!tg_dropout(dead[0], 0, false)); CHECK_ERROR(tg, TG_ERROR_DEAD);
    CHECK(!tg_share(tg, dead[0])); CHECK_ERROR(tg, TG_ERROR_DEAD);
    { tg_tensor *x = tg_ones(tg, TG_SHAPE(3)), *list[2]; list[0] = x; list[1] = dead[1];
      CHECK(!tg_cat(list, 2, 0)); CHECK_ERROR(tg, TG_ERROR_DEAD); CHECK(!tg_stack(list, 2, 0)); CHECK_ERROR(tg, TG_ERROR_DEAD); CHECK(!tg_copy_(x, dead[1])); CHECK_ERROR(tg, TG_ERROR_DEAD);
      CHECK(!tg_matmul(x, dead[1])); CHECK_ERROR(tg, TG_ERROR_DEAD); CHECK(!tg_equal(x, dead[1])); CHECK_ERROR(tg, TG_ERROR_DEAD); CHECK(!tg_linear(x, dead[1], NULL)); CHECK_ERROR(tg, TG_ERROR_DEAD); }
    old = dead[0];
    for (i = 0; i < 2000; i++) { m = tg_begin(tg); (void)tg_zeros(tg, TG_SHAPE(1000)); tg_end(tg, m); }       /* past the ring the header serves again; nothing breaks */
    (void)old;
    tg_end(tg, root);
    CHECK_INT(tg_memory(tg).live_tensors, 0);
    CHECK_INT(tg_memory(tg).tensors, 0);
    test_close(tg);
}

/* ---- a training loop in steady state ---- */
static bool block(void *user, tg_tensor *const *in, int n_in, tg_tensor **out, int n_out) { (void)n_in; (void)n_out; out[0] = tg_gelu(tg_matmul(in[0], (tg_tensor *)user)); return out[0] != NULL; }
static void step(tg_ctx *tg, tg_tensor *k, tg_tensor *w, tg_tensor *b, tg_tensor *sq, int i) {
    tg_mark m = tg_begin(tg);
    tg_tensor *x = tg_randn(tg, TG_SHAPE(8, 1, 12, 12)), *t = tg_randint(tg, 0, 10, TG_SHAPE(8)), *h, *loss, *p[4], *y;
    tg_function_call c;
    int n;
    h = tg_relu(tg_conv2d(x, k, NULL, .stride = { 2, 2 }));
    h = tg_dropout(tg_flatten(h, 1, -1), 0.2, true);
    h = tg_linear(h, w, b);
    c.f = block; c.user = sq; c.inputs = &h; c.n_inputs = 1; c.n_outputs = 1;
    if (tg_checkpoint(&c, &y)) h = tg_add(h, y);
    loss = tg_cross_entropy(h, t);
    if (i % 3 == 0) loss = tg_add(loss, tg_mul_scalar(tg_sum(tg_square(w)), 0.001));
    CHECK(tg_backward(loss));
    p[0] = k; p[1] = w; p[2] = b; p[3] = sq;
    tg_grad_mode(tg, false);
    for (n = 0; n < 4; n++) { CHECK(tg_sub_(p[n], tg_mul_scalar(p[n]->grad, 0.01))); CHECK(tg_zero_grad(p[n])); }
    tg_grad_mode(tg, true);
    tg_end(tg, m);
}
static void test_steady(void) {
    tg_ctx *tg = test_open();
    tg_tensor *k = tg_require_grad(tg_mul_scalar(tg_randn(tg, TG_SHAPE(4, 1, 3, 3)), 0.3), true), *w = tg_require_grad(tg_mul_scalar(tg_randn(tg, TG_SHAPE(10, 100)), 0.1), true);
    tg_tensor *b = tg_require_grad(tg_zeros(tg, TG_SHAPE(10)), true), *sq = tg_require_grad(tg_mul_scalar(tg_randn(tg, TG_SHAPE(10, 10)), 0.1), true);
    tg_memory_info warm, end;
    int i;
    for (i = 0; i < 60; i++) step(tg, k, w, b, sq, i);
    warm = tg_memory(tg);
    for (i = 0; i < 120; i++) step(tg, k, w, b, sq, i);
    end = tg_memory(tg);
    CHECK_OK(tg);
    CHECK_INT(end.host_calls, warm.host_calls);
    CHECK_INT(end.now, warm.now); CHECK_INT(end.peak, warm.peak); CHECK_INT(end.live_tensors, warm.live_tensors); CHECK_INT(end.live_nodes, warm.live_nodes); CHECK_INT(end.tensors, warm.tensors); CHECK_INT(end.graph, warm.graph);
    CHECK(end.now <= end.peak && end.cached <= end.now && end.tensors <= end.now);
    { tg_mark m = tg_begin(tg); CHECK(tg_ones(tg, TG_SHAPE(256, 256)) != NULL); tg_end(tg, m); }         /* a large block: small ones stay with their slab */
    end = tg_memory(tg);
    tg_trim(tg);
    CHECK(tg_memory(tg).now + 256 * 256 * 4 <= end.now && tg_memory(tg).cached + 256 * 256 * 4 <= end.cached);
    step(tg, k, w, b, sq, 1);
    CHECK_OK(tg);
    test_close(tg);
}

/* ---- when it begins: sizes seen, and 256 tensors ended ---- */
static void test_steady_from(void) {
    int many;
    for (many = 1; many <= 300; many += many < 10 ? 3 : 97) {             /* tensors that end in a step */
        tg_ctx *tg = test_open();
        uint64_t calls = 0;
        long ended = 0;
        int i, k, after = 0;
        for (i = 0; i < 1000; i++) {
            tg_mark m = tg_begin(tg);
            for (k = 0; k < many; k++) (void)tg_empty(tg, TG_SHAPE(k % 7 * 300), TG_F32);
            tg_end(tg, m);
            ended += many;
            if (ended < 256 + 2 * many) { calls = tg_memory(tg).host_calls; continue; }
            if (tg_memory(tg).host_calls != calls) after++;
        }
        CHECK_INT(after, 0);
        test_close(tg);
    }
}

/* ---- the limit ---- */
static void test_limit(void) {
    test_heap heap = TEST_HEAP;
    tg_config c = test_config(&heap);
    tg_ctx *tg;
    tg_tensor *x, *y;
    tg_mark m;
    int i;
    c.memory_limit = 4 << 20;
    tg = tg_open(&c);
    CHECK(tg != NULL);
    x = tg_ones(tg, TG_SHAPE(256, 1024));                              /* 1 MB */
    CHECK(x && !tg_zeros(tg, TG_SHAPE(1024, 1024)));                   /* 4 MB */
    CHECK(strncmp(tg_error_text(tg), "zeros: out of memory: ", 22) == 0 && strstr(tg_error_text(tg), "limit 4194304"));
    CHECK_ERROR(tg, TG_ERROR_MEMORY);
    CHECK(tg_item(tg_sum(x)) == 256 * 1024);
    for (i = 0; i < 50; i++) { m = tg_begin(tg); y = tg_neg(tg_square(x)); CHECK(y != NULL); tg_end(tg, m); }    /* 2 MB at a time go well */
    m = tg_begin(tg);
    for (y = x; y && i < 100; i++) y = tg_neg(y);                      /* held: the third or fourth does not */
    CHECK(!y); CHECK_ERROR(tg, TG_ERROR_MEMORY);
    CHECK(tg_memory(tg).peak <= c.memory_limit && heap.peak <= c.memory_limit);
    tg_end(tg, m);
    CHECK(tg_neg(x) != NULL);
    for (i = 0; i < 300; i++) {                                        /* sizes that differ: the cache is given back before the limit is an error */
        m = tg_begin(tg); y = tg_empty(tg, TG_SHAPE(1000 * (i % 97 + 1)), TG_F32); if (!CHECK(y != NULL)) { CHECK_OK(tg); tg_clear(tg); } tg_end(tg, m);
    }
    test_close(tg);
    (void)test_heap_ended(&heap);
    c.memory_limit = 1;                                                /* less than a context */
    tg = tg_open(&c);
    if (tg) { CHECK(!tg_ones(tg, TG_SHAPE(1))); CHECK_ERROR(tg, TG_ERROR_MEMORY); }
    test_close(tg);
    (void)test_heap_ended(&heap);
}

/* ---- a script of everything ---- */
typedef struct script { tg_ctx *tg, *second; long calls; char text[6000]; } script;
static tg_tensor *hook_twice(void *user, tg_tensor *g) { (void)user; return tg_mul_scalar(g, 2); }
static bool function(void *user, tg_tensor *const *in, int n_in, tg_tensor **out, int n_out) {
    (void)user; (void)n_in; (void)n_out;
    out[0] = tg_sum(tg_mul(tg_sin(in[0]), tg_dropout(tg_exp(in[0]), 0.25, true)));
    return out[0] != NULL;
}
static bool wide_function(void *user, tg_tensor *const *in, int n_in, tg_tensor **out, int n_out) { (void)user; (void)n_in; (void)n_out; out[0] = tg_mul(tg_tanh(in[0]), in[1]); return out[0] != NULL; }
static bool list_check(tg_ctx *tg, tg__node *n) { tg_tensor *x = tg_node_in(n, 0); int i; (void)tg; for (i = 0; i < 6; i++) if (!tg_node_make(n, i, x->dtype, x->ndim, x->shape)) return false; return true; }
static bool list_forward(tg_ctx *tg, tg__node *n) { int i; (void)tg; for (i = 0; i < 6; i++) memcpy(tg_node_out(n, i)->data, tg_node_in(n, i)->data, (size_t)tg_node_in(n, i)->numel * 4); return true; }
static bool list_backward(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) { int i; for (i = 0; i < 6; i++) if (tg_node_wants(n, i) && g[i]) dx[i] = tg_neg(tg_neg(g[i])); return !tg_failed(tg); }
static const tg_op list_op = { .name = "pass_list", .version = 1, .n_in = TG_LIST, .n_out = 6, .saves = { TG_SAVE_INS | TG_SAVE_OUT(0), TG_SAVE_INS, 0, 0 }, .check = list_check, .forward = list_forward, .backward = list_backward };

static void run_script(script *s) {
    tg_ctx *tg = s->tg;
    tg_mark m = tg_begin(tg), inner;
    float f[12] = { 3, 1, 2, 6, 5, 4, 9, 8, 7, 0, -1, -2 };
    tg_tensor *a = tg_from_f32(tg, TG_SHAPE(3, 4), f), *b = tg_rand(tg, TG_SHAPE(3, 4)), *c, *d, *i, *w, *x, *y, *z, *list[12], *g[3], *in[3], *out[6], *v[2];
    tg_function_call call;
    tg_dict *dict;
    int k;
    /* creation */
    c = tg_randn(tg, TG_SHAPE(3, 4)); d = tg_full(tg, TG_SHAPE(3, 4), 2, TG_F64); i = tg_randint(tg, 0, 3, TG_SHAPE(5)); x = tg_arange(tg, 0, 12, 1, TG_I64); y = tg_eye(tg, 4);
    z = tg_wrap(tg, TG_SHAPE(12), TG_F32, f); w = tg_zeros_like(a); w = tg_ones_like(tg_t(a)); w = tg_full_like(w, 3); w = tg_empty_like(w); w = tg_normal_(w, 0, 1); w = tg_bernoulli(b); (void)tg_number(tg, 3); (void)tg_integer(tg, 3);
    (void)tg_set_name(a, "a name that is longer than any block could be expected to be, so that it needs one of its own");
    (void)tg_set_name(a, "short"); (void)tg_randn(tg, TG_SHAPE(50, 100));
    /* views */
    w = tg_view(a, TG_SHAPE(4, 3)); w = tg_reshape(tg_t(a), TG_SHAPE(12)); w = tg_flatten(a, 0, 1); w = tg_permute(a, TG_DIMS(1, 0)); w = tg_transpose(a, 0, 1); w = tg_expand(tg_unsqueeze(a, 0), TG_SHAPE(2, 3, 4));
    w = tg_squeeze(tg_unsqueeze(a, 1), 1); w = tg_select(a, 0, 1); w = tg_narrow(a, 1, 1, 2); w = tg_slice(a, "::-1, None, 1:3"); w = tg_slice_dim(a, 0, 2, -4, -1); w = tg_detach(a);
    { int64_t sh[2] = { 2, 2 }, st[2] = { 1, 3 }; w = tg_as_strided(z, 2, sh, st, 1); }
    w = tg_clone(tg_t(a)); w = tg_contiguous(tg_t(a)); w = tg_to(a, TG_F16); w = tg_to(w, TG_BF16); w = tg_to(a, TG_I8); w = tg_to(a, TG_BOOL);
    /* formulas */
    w = tg_add(a, b); w = tg_mul(a, d); w = tg_add(tg_t(a), tg_select(b, 1, 0)); w = tg_div(x, tg_integer(tg, 3)); w = tg_pow(b, c); w = tg_where(tg_gt(a, b), a, b); w = tg_lerp(a, b, c); w = tg_clamp(a, 0, 2);
    w = tg_floor_divide(x, tg_integer(tg, 5)); w = tg_gelu(a); w = tg_add_scaled(a, b, 0.5); w = tg_logical_not(a); w = tg_addcmul(a, b, c, 2); w = tg_softplus(a, 1, 20); w = tg_add(tg_to(a, TG_F16), tg_to(b, TG_BF16));
    w = tg_add_(tg_clone(a), b); w = tg_exp_(tg_clone(b)); w = tg_fill_(tg_clone(a), 1); w = tg_copy_(tg_clone(a), tg_select(b, 0, 0)); w = tg_clone(a); if (w) (void)tg_add_(tg_slice(w, ":, ::2"), tg_slice(w, ":, 1::2")); w = tg_zero_(tg_expand(tg_select(tg_clone(a), 1, 0), TG_SHAPE(2, 3)));
    /* reduce, sort, index */
    w = tg_sum(a); w = tg_sum_dims(a, TG_DIMS(0), true); w = tg_mean(a); w = tg_prod(a); w = tg_amax_dims(a, TG_DIMS(1), false); w = tg_max_dim(a, 1, false, &y); w = tg_argmin(a); w = tg_any(a); w = tg_var_dims(a, TG_DIMS(1), 1, false);
    w = tg_sum(tg_rand(tg, TG_SHAPE(300, 40))); w = tg_sum_dims(tg_rand(tg, TG_SHAPE(300, 40)), TG_DIMS(0), false); w = tg_softmax(a, 1); w = tg_log_softmax(tg_t(a), 0); w = tg_softmax(tg_to(a, TG_F16), 0);
    w = tg_sort(a, 1, true, &y); w = tg_sort(tg_t(a), 1, false, NULL); w = tg_sort(tg_rand(tg, TG_SHAPE(5000)), 0, false, &y); w = tg_index_select(a, 0, tg_randint(tg, 0, 3, TG_SHAPE(6))); w = tg_gather(a, 1, tg_randint(tg, 0, 4, TG_SHAPE(3, 2)));
    w = tg_scatter(a, 0, tg_randint(tg, 0, 3, TG_SHAPE(2, 4)), b); w = tg_scatter_add(a, 0, tg_randint(tg, 0, 3, TG_SHAPE(3, 4)), b); w = tg_index_add(a, 0, tg_to(tg_randint(tg, 0, 3, TG_SHAPE(3)), TG_I32), b); w = tg_one_hot(i, 3);
    for (k = 0; k < 12; k++) list[k] = k & 1 ? a : b;
    w = tg_cat(list, 12, 1); w = tg_stack(list, 12, 0);
    /* matrix, conv */
    w = tg_matmul(a, tg_t(b)); w = tg_matmul(tg_select(a, 0, 0), tg_t(b)); w = tg_matmul(tg_rand(tg, TG_SHAPE(70, 90)), tg_rand(tg, TG_SHAPE(90, 80))); w = tg_matmul(tg_rand(tg, TG_SHAPE(2, 1, 3, 4)), tg_rand(tg, TG_SHAPE(5, 4, 3))); w = tg_linear(a, b, tg_zeros(tg, TG_SHAPE(3)));
    w = tg_linear(tg_t(tg_rand(tg, TG_SHAPE(4, 600))), b, NULL); w = tg_matmul(tg_to(a, TG_BF16), tg_t(tg_to(b, TG_BF16)));
    w = tg_conv2d(tg_rand(tg, TG_SHAPE(2, 4, 9, 9)), tg_rand(tg, TG_SHAPE(6, 2, 3, 3)), tg_rand(tg, TG_SHAPE(6)), .groups = 2, .padding = { 1, 1 });
    w = tg_conv_transpose2d(w, tg_rand(tg, TG_SHAPE(6, 1, 3, 2)), tg_rand(tg, TG_SHAPE(2)), .groups = 2, .stride = { 2, 1 });
    w = tg_conv1d(tg_pad(tg_flatten(w, 2, 3), TG_DIMS(1, 2), TG_PAD_CIRCULAR, 0), tg_rand(tg, TG_SHAPE(2, 2, 4)), NULL, .same = true);
    w = tg_fold(tg_nn_unfold(tg_constant_pad_nd(tg_rand(tg, TG_SHAPE(2, 3, 4)), TG_DIMS(1, 1), 2), .kernel = { 2, 2 }), .kernel = { 2, 2 }, .size = { 3, 6 });
    /* a step with a graph, in-place and views in it */
    inner = tg_begin(tg);
    x = tg_require_grad(tg_rand(tg, TG_SHAPE(2, 3, 8, 8)), true); y = tg_require_grad(tg_rand(tg, TG_SHAPE(4, 3, 3, 3)), true); z = tg_require_grad(tg_rand(tg, TG_SHAPE(5, 144)), true);
    w = tg_conv2d(x, y, NULL); if (w) (void)tg_mul_(tg_select(w, 0, 0), tg_integer(tg, 2)); w = tg_relu_(w); (void)tg_mul_scalar(w, 2);
    w = tg_dropout(tg_flatten(w, 1, -1), 0.5, true); w = tg_cross_entropy(tg_linear(w, z, NULL), tg_zeros(tg, TG_SHAPE(2)) ? tg_full(tg, TG_SHAPE(2), 1, TG_I64) : NULL);
    (void)tg_hook(z, hook_twice, NULL); (void)tg_retain_grad(w); (void)tg_backward(w); (void)tg_backward(tg_sum(tg_mul(z, z)));
    { bool was = tg_grad_mode(tg, false); if (z) (void)tg_sub_(z, tg_mul_scalar(z->grad, 0.1)); (void)tg_zero_grad(z); tg_grad_mode(tg, was); }
    if (w && w->grad) (void)tg_zero_grad(w);
    w = tg_neg(z); tg_end_with(tg, inner, w);
    /* second order, products, checkpoints, checks */
    x = tg_require_grad(tg_rand(tg, TG_SHAPE(3)), true); y = tg_sum(tg_mul(tg_exp(x), tg_pow(x, tg_number(tg, 3))));
    if (tg_grad(&y, 1, &x, 1, g, .create_graph = true)) { w = tg_sum(g[0]); (void)tg_grad(&w, 1, &x, 1, g); }
    in[0] = x; in[1] = tg_rand(tg, TG_SHAPE(3)); v[0] = v[1] = tg_rand(tg, TG_SHAPE(3));
    call.f = function; call.user = NULL; call.inputs = in; call.n_inputs = 1; call.n_outputs = 1;
    if (tg_checkpoint(&call, out)) (void)tg_backward(out[0]);
    (void)tg_hvp(&call, v, out, g);
    call.f = wide_function; call.n_inputs = 2;
    (void)tg_jvp(&call, v, out, g); (void)tg_vjp(&call, v, out, g); (void)tg_jacobian(&call, 0, 0);
    (void)tg_gradcheck(&call, .second = true);
    for (k = 0; k < 6; k++) list[k] = k & 1 ? a : tg_require_grad(tg_rand(tg, TG_SHAPE(3, 4)), true);
    if (tg_call(&list_op, NULL, list, 6, out)) (void)tg_backward(tg_add(tg_sum(out[0]), tg_sum(out[4])));
    tg_anomaly(tg, true); (void)tg_backward(tg_sum(tg_mul(x, tg_sort(x, 0, false, NULL)))); tg_anomaly(tg, false);
    /* text, values */
    (void)tg_format(a, s->text, sizeof s->text); tg_print(tg_rand(tg, TG_SHAPE(100, 100))); tg_show(a); (void)tg_tape_text(y, s->text, sizeof s->text); (void)tg_tape_dot(y, s->text, sizeof s->text); (void)tg_tape(y, NULL, 0); (void)tg_traceback(tg, s->text, sizeof s->text);
    (void)tg_read_f32(tg_t(a), f, 12); (void)tg_write(b, f, sizeof f); (void)tg_equal(a, b); (void)tg_allclose(tg_t(a), tg_t(b), 1, 1); (void)tg_item(tg_sum(a));
    /* files in memory */
    dict = tg_dict_new(tg);
    (void)tg_dict_set(dict, "layer.weight", a); (void)tg_dict_set(dict, "layer.bias", tg_to(b, TG_BF16)); (void)tg_dict_set_meta(dict, "format", "pt"); (void)tg_dict_set(dict, "layer.weight", b);
    w = dict ? tg_safetensors_bytes(dict) : NULL;
    tg_dict_free(dict);
    if (w) { dict = tg_safetensors_parse(tg, w->data, (size_t)w->numel); if (dict) (void)tg_sum(tg_dict_get(dict, "layer.weight")); tg_dict_free(dict); }
    w = tg_npy_bytes(tg_t(a));
    if (w) (void)tg_npy_parse(tg, w->data, (size_t)w->numel);
    /* sharing */
    if (s->second && !tg_failed(tg)) {
        tg_mark o = tg_begin(s->second);
        w = tg_share(s->second, b);
        if (w) { CHECK(!tg_zero_(w)); tg_clear(s->second); (void)tg_neg(w); }
        tg_end(s->second, o);
    }
    tg_end(tg, m);
}

/* ---- an allocator that fails twice in a row from call n on: the library tries again after it has given its cache back ---- */
typedef struct failing { test_heap heap; long calls, at, times; bool off; } failing;
static void *failing_alloc(void *user, size_t size, size_t align) {
    failing *f = (failing *)user;
    f->calls++;
    if (!f->off && f->at && f->calls >= f->at && f->calls < f->at + f->times) return NULL;
    return test_alloc(&f->heap, size, align);
}
static void failing_release(void *user, void *p, size_t size, size_t align) { test_release(&((failing *)user)->heap, p, size, align); }

static void test_failing(bool no_cache, long times) {
    static failing f;
    static script s;
    tg_config c = test_config(NULL);
    long n, all = 0, step = 1;
    int failed = 0, absorbed = 0;
    c.no_cache = no_cache;
    c.hooks.alloc = failing_alloc; c.hooks.release = failing_release; c.hooks.alloc_user = &f;
    for (n = 0; n <= all; n += n < 40 ? 1 : step) {
        memset(&f, 0, sizeof f);
        f.at = n; f.times = times;
        s.tg = tg_open(&c);
        s.second = s.tg ? tg_open(&c) : NULL;
        if (s.tg && s.second) {
            tg_memory_info m;
            run_script(&s);
            if (tg_failed(s.tg) || tg_failed(s.second)) {
                tg_ctx *bad = tg_failed(s.tg) ? s.tg : s.second;
                failed++;
                CHECK_MSG(n > 0, "the script fails by itself: %s", tg_error_text(bad));
                CHECK_MSG(tg_error(bad) == TG_ERROR_MEMORY, "allocation %ld: code %d: %s", n, (int)tg_error(bad), tg_error_text(bad));
                CHECK_MSG(strstr(tg_error_text(bad), "out of memory") != NULL, "allocation %ld: %s", n, tg_error_text(bad));
            } else if (n) absorbed++;
            m = tg_memory(s.tg);
            CHECK_MSG(m.live_tensors == 0 && m.live_nodes == 0, "allocation %ld: %d tensors and %d nodes stay", n, (int)m.live_tensors, (int)m.live_nodes);
            CHECK_MSG(m.graph == 0 && m.tensors == 0, "allocation %ld: %ld bytes of graph and %ld of tensors are still counted", n, (long)m.graph, (long)m.tensors);
            CHECK_MSG(tg_grad_mode(s.tg, true), "allocation %ld: the grad mode was left off", n);
            tg_clear(s.tg); tg_clear(s.second);
            f.off = true;
            if (n % 16 == 1) { run_script(&s); CHECK_MSG(!tg_failed(s.tg), "allocation %ld: not usable afterwards: %s", n, tg_error_text(s.tg)); }
            else { tg_mark k = tg_begin(s.tg); tg_tensor *x = tg_require_grad(tg_ones(s.tg, TG_SHAPE(3)), true); CHECK_MSG(tg_backward(tg_sum(tg_square(x))) && tg_item(tg_sum(x->grad)) == 6, "allocation %ld: not usable afterwards: %s", n, tg_error_text(s.tg)); tg_end(s.tg, k); }
            if (n == 0) { all = f.calls / 2; step = test_all() || times == 2 ? 1 : all / 300 + 1; }
        }
        tg_close(s.second); tg_close(s.tg);
        CHECK_MSG(f.heap.blocks == 0 && f.heap.mistakes == 0, "allocation %ld: %ld blocks leaked, %ld mistakes", n, f.heap.blocks, f.heap.mistakes);
        (void)test_heap_ended(&f.heap);
        if (n == 0) { memset(&f, 0, sizeof f); s.tg = tg_open(&c); s.second = tg_open(&c); run_script(&s); all = f.calls; tg_close(s.second); tg_close(s.tg); (void)test_heap_ended(&f.heap); step = test_all() || times == 2 ? 1 : all / 300 + 1; }
    }
    printf("  %ld allocations%s, each %ld times: %d errors, %d absorbed\n", all, no_cache ? " without cache" : "", times, failed, absorbed);
    if (times > 1) CHECK(failed > 0);
}

/* ---- what anomaly mode looks at may be made for it, and may fail: each allocation once, and all from each one on ---- */
static tg_tensor *hook_rows(void *user, tg_tensor *g) { (void)user; return tg_is_sparse(g) ? tg_sparse_new(tg_sparse_rows(g), tg_neg(tg_sparse_values(g)), g->shape[0]) : tg_neg(g); }
static bool per_example(void *user, tg_tensor *const *in, int n_in, tg_tensor **out, int n_out) { (void)n_in; (void)n_out; out[0] = tg_mul(tg_exp(in[0]), (tg_tensor *)user); return out[0] != NULL; }
static bool anomaly_work(tg_ctx *tg) {
    int64_t rows[3] = { 0, 1, 0 };
    tg_tensor *index = tg_from(tg, TG_SHAPE(3), TG_I64, rows), *w = tg_require_grad(tg_sparse_grad(tg_zeros(tg, TG_SHAPE(4, 2)), true), true);
    tg_tensor *v = tg_require_grad(tg_ones(tg, TG_SHAPE(2)), true), *y, *g[2], *in[2];
    tg_function_call call;
    bool ok;
    (void)tg_anomaly(tg, true);
    (void)tg_hook(w, hook_rows, NULL);
    ok = tg_backward(tg_add(tg_sum(tg_mul(tg_exp(tg_index_select(w, 0, index)), v)), tg_sum(tg_index_select(w, 0, index)))) && tg_is_sparse(w->grad);
    ok = ok && tg_backward(tg_sum(tg_index_select(w, 0, index))) && tg_is_sparse(w->grad) && tg_backward(tg_sum(w)) && !tg_is_sparse(w->grad);
    y = tg_sum(tg_mul(tg_index_select(w, 0, index), v)); in[0] = w; in[1] = v;
    ok = ok && tg_grad(&y, 1, in, 2, g, .retain_graph = true) && tg_is_sparse(g[0]) && tg_to_dense(g[0]) && tg_grad(&y, 1, in, 2, g, .create_graph = true);
    call.f = per_example; call.user = v; call.inputs = in; call.n_inputs = 1; call.n_outputs = 1;
    ok = ok && tg_vmap(&call, &y) && tg_backward(tg_sum(y));
    return ok;
}
static void test_anomaly_memory(void) {
    test_heap heap = TEST_HEAP;
    tg_config c = test_config(&heap);
    int all;
    c.no_cache = true;                                                 /* each block is asked of the host */
    for (all = 0; all < 2; all++) {
        bool failed = true;
        long n;
        heap.fail_at = heap.fail_from = 0;
        for (n = 0; failed; n++) {
            tg_ctx *tg;
            if (all) heap.fail_from = n; else heap.fail_at = n;
            tg = tg_open(&c);
            if (tg) {
                const bool ok = anomaly_work(tg);
                CHECK_MSG(ok ? !tg_failed(tg) : n > 0 && tg_error(tg) == TG_ERROR_MEMORY, "allocation %ld: %d, code %d: %s", n, (int)ok, (int)tg_error(tg), tg_error_text(tg));
            }
            tg_close(tg);
            failed = test_heap_ended(&heap) || n == 0;
        }
        CHECK(n > 20);
    }
}

/* ---- tensors of no elements: what is released has the size that was asked for, whatever made it; the allocator looks ---- */
static bool empty_function(void *user, tg_tensor *const *in, int n_in, tg_tensor **out, int n_out) { (void)user; (void)n_in; (void)n_out; out[0] = tg_exp(in[0]); return out[0] != NULL; }
static void test_empty(void) {
    static const tg_dtype kinds[] = { TG_F32, TG_F64, TG_F16, TG_BF16, TG_I64, TG_I32, TG_I16, TG_I8, TG_U8, TG_BOOL };
    test_heap heap = TEST_HEAP;
    tg_config c = test_config(&heap);
    char mine[8] = { 0 };
    int64_t none[2] = { 0, 3 };
    int cached, k;
    for (cached = 0; cached < 2; cached++) {
        tg_ctx *tg, *other;
        tg_mark m;
        tg_tensor *x, *y, *list[2];
        tg_dict *d, *e;
        tg_function_call call;
        c.no_cache = !cached;
        tg = tg_open(&c); other = tg_open(&c); m = tg_begin(tg);
        for (k = 0; k < 10; k++) {
            x = tg_empty(tg, 2, none, kinds[k]);
            CHECK(x && tg_full(tg, 2, none, 3, kinds[k]) && tg_from(tg, 2, none, kinds[k], mine) && tg_from(tg, 2, none, kinds[k], NULL));
            CHECK(tg_wrap(tg, 2, none, kinds[k], mine) && tg_arange(tg, 3, 3, 1, kinds[k]) && tg_share(other, x) && tg_share(tg, x));
            CHECK(tg_empty_like(x) && tg_zeros_like(x) && tg_ones_like(tg_t(x)) && tg_full_like(x, 2) && tg_clone(x) && tg_clone(tg_t(x)) && tg_contiguous(tg_t(x)) && tg_to(x, TG_F32) && tg_to(x, TG_I16));
            list[0] = list[1] = x;
            CHECK(tg_cat(list, 2, 0) && tg_stack(list, 2, 0) && tg_sort(tg_to(x, TG_F32), 1, false, &y) && tg_eq(x, x) && tg_sum_dims(x, TG_DIMS(1), false));
            CHECK(tg_index_select(x, 1, tg_full(tg, TG_SHAPE(2), 1, TG_I64)));
            if (kinds[k] != TG_BF16) { y = tg_npy_bytes(x); CHECK(y && tg_npy_parse(tg, y->data, (size_t)y->numel)); }
            d = tg_dict_new(tg); CHECK(tg_dict_set(d, "x", x)); y = tg_safetensors_bytes(d); tg_dict_free(d);
            e = y ? tg_safetensors_parse(tg, y->data, (size_t)y->numel) : NULL; CHECK(e && tg_dict_get(e, "x")->numel == 0 && tg_dict_get(e, "x")->dtype == kinds[k]); tg_dict_free(e);
            CHECK_OK(tg); CHECK_OK(other);
        }
        x = tg_zeros(tg, 2, none);
        CHECK(tg_ones(tg, 2, none) && tg_eye(tg, 0) && tg_rand(tg, 2, none) && tg_randn(tg, 2, none) && tg_randint(tg, 0, 3, 2, none) && tg_from_f32(tg, 2, none, NULL));
        CHECK(tg_bernoulli(x) && tg_uniform_(x, 0, 1) && tg_normal_(x, 0, 1) && tg_fill_(x, 1));
        y = tg_to(tg_zeros(tg, TG_SHAPE(0)), TG_I64);
        CHECK(tg_one_hot(y, 5) && tg_sparse_new(y, x, 7) && tg_to_dense(tg_sparse_new(y, x, 0)) && tg_to(tg_to(tg_zeros(tg, TG_SHAPE(0, 32)), TG_Q8_0), TG_F32) && tg_to(tg_zeros(tg, TG_SHAPE(0, 64)), TG_Q4_0));
        CHECK(tg_matmul(x, tg_zeros(tg, TG_SHAPE(3, 0))) && tg_matmul(tg_t(x), x) && tg_softmax(x, 1) && tg_where(tg_gt_scalar(x, 0), x, x) && tg_dropout(x, 0.5, true));
        CHECK(tg_linear(x, tg_ones(tg, TG_SHAPE(2, 3)), NULL) && tg_swap(tg_zeros(tg, 2, none), tg_ones(tg, 2, none)));
        x = tg_require_grad(tg_clone(x), true);
        CHECK(tg_backward(tg_sum(tg_exp(x))) && x->grad && x->grad->numel == 0 && tg_backward(tg_exp(x), .gradient = tg_ones(tg, 2, none)) && tg_zero_grad(x));
        call.f = empty_function; call.user = NULL; call.inputs = &x; call.n_inputs = 1; call.n_outputs = 1;
        CHECK(tg_vmap(&call, &y) && y->numel == 0 && tg_checkpoint(&call, &y) && tg_backward(y, .gradient = tg_ones(tg, 2, none)) && tg_jacobian(&call, 0, 0) && tg_gradcheck(&call));
        CHECK_OK(tg);
        tg_keep(tg_zeros(tg, TG_SHAPE(0)));                            /* one is there at the end */
        tg_end(tg, m);
        tg_trim(tg);
        test_close(cached ? tg : other); test_close(cached ? other : tg);
        (void)test_heap_ended(&heap);
    }
}

/* ---- sharing ---- */
typedef struct worker { tg_ctx *tg; tg_tensor *w; double sum; pthread_t thread; } worker;
static void *work(void *p) {
    worker *k = (worker *)p;
    int i;
    k->sum = 0;
    for (i = 0; i < 50; i++) {
        tg_mark m = tg_begin(k->tg);
        tg_tensor *x = tg_ones(k->tg, TG_SHAPE(4, 64)), *y = tg_matmul(x, k->w);
        k->sum += tg_item(tg_sum(y));
        if (i == 10) { CHECK(!tg_add_(k->w, k->w)); k->sum += tg_error(k->tg) == TG_ERROR_FROZEN ? 1000000 : 0; tg_clear(k->tg); }
        tg_end(k->tg, m);
    }
    tg_close(k->tg);
    return NULL;
}
static void test_sharing(void) {
    test_heap heap = TEST_HEAP;
    worker k[4];
    tg_ctx *tg = test_open_heap(&heap), *other, *third;
    tg_tensor *w = tg_ones(tg, TG_SHAPE(64, 8)), *v = tg_select(w, 0, 3), *s, *t, *small;
    int i;
    int64_t at[1] = { 2 };
    for (i = 0; i < 4; i++) { k[i].tg = test_open_heap(&heap); k[i].w = tg_share(k[i].tg, w); CHECK(k[i].w && k[i].w->tg == k[i].tg && k[i].w->data == w->data); }
    other = test_open_heap(&heap); CHECK(tg_share(other, w) != NULL);  /* holds on until all are done: the last holder alone might write */
    CHECK(tg_get(v, at) == 1);                                         /* views of it moved along */
    CHECK(!tg_fill_(v, 3)); CHECK_ERROR(tg, TG_ERROR_FROZEN); CHECK(!tg_set(w, NULL, 1)); tg_clear(tg); CHECK(!tg_write(v, at, 8)); tg_clear(tg);
    for (i = 0; i < 4; i++) pthread_create(&k[i].thread, NULL, work, &k[i]);
    tg_close(tg);                                                      /* the first holder goes while the others work */
    for (i = 0; i < 4; i++) pthread_join(k[i].thread, NULL);
    test_close(other);
    for (i = 0; i < 4; i++) CHECK_NEAR(k[i].sum, 50 * 4 * 8 * 64 + 1000000, 0);
    (void)test_heap_ended(&heap);

    tg = test_open_heap(&heap); other = test_open_heap(&heap); third = test_open_heap(&heap);
    small = tg_require_grad(tg_full(tg, TG_SHAPE(3), 2, TG_F32), true);
    s = tg_share(other, small);
    CHECK(s && !s->requires_grad && !s->grad);                         /* gradients belong to the header */
    CHECK(tg_backward(tg_sum(tg_square(small)))); CHECK(small->grad && !s->grad);
    s = tg_require_grad(s, true); CHECK(tg_backward(tg_sum(tg_mul_scalar(s, 5)))); CHECK(tg_item(tg_sum(s->grad)) == 15 && tg_item(tg_sum(small->grad)) == 12);
    t = tg_share(third, s); CHECK(t && tg_item(tg_sum(t)) == 6);       /* shared on */
    tg_close(other);
    CHECK(!tg_zero_(t)); CHECK_ERROR(third, TG_ERROR_FROZEN);
    tg_close(tg);
    CHECK(tg_add_(t, t) != NULL); CHECK(tg_item(tg_sum(t)) == 12);      /* the last holder may write */
    tg_close(third);
    (void)test_heap_ended(&heap);

    tg = test_open_heap(&heap);
    w = tg_ones(tg, TG_SHAPE(5)); s = tg_share(tg, w); CHECK(s && s != w && s->data == w->data); CHECK(!tg_zero_(w)); CHECK_ERROR(tg, TG_ERROR_FROZEN);     /* within one context */
    { float mine[3] = { 1, 2, 3 }; tg_mark m = tg_begin(tg); w = tg_wrap(tg, TG_SHAPE(3), TG_F32, mine); s = tg_share(tg, w); CHECK(s && s->data != (void *)mine && tg_item(tg_sum(s)) == 6); tg_end(tg, m); CHECK(mine[2] == 3); }   /* the caller's memory is copied */
    { tg_tensor *e = tg_zeros(tg, TG_SHAPE(0, 3)); CHECK(tg_share(tg, e) != NULL); CHECK_OK(tg); }
    for (i = 0; i < 3000; i++) { tg_mark m = tg_begin(tg); CHECK(tg_share(tg, tg_ones(tg, TG_SHAPE(10)))); tg_end(tg, m); }
    CHECK(heap.blocks < 100);
    CHECK(!tg_share(NULL, w) && !tg_share(tg, NULL));
    tg_clear(tg);
    test_close(tg);
    (void)test_heap_ended(&heap);
}

/* ---- exchanging storages: what a hot swap of shared weights does ---- */
static void test_swapping(void) {
    test_heap heap = TEST_HEAP;
    tg_ctx *tg = test_open_heap(&heap), *other = test_open_heap(&heap);
    tg_tensor *a = tg_full(tg, TG_SHAPE(2, 3), 1, TG_F32), *b = tg_reshape(tg_arange(tg, 0, 6, 1, TG_F32), TG_SHAPE(3, 2)), *c, *x, *y;
    int round;
    b = tg_keep(tg_add_scalar(tg_t(b), 0));                            /* with the strides of a transposed one */
    CHECK(b->stride[0] == 1 && a->stride[0] == 3);
    CHECK(tg_swap(a, b)); CHECK(a->stride[0] == 1 && b->stride[0] == 3);
    CHECK(tg_get(a, (int64_t[2]){ 1, 2 }) == 5 && tg_get(a, (int64_t[]){ 0, 1 }) == 2 && tg_item(tg_sum(b)) == 6);
    CHECK(tg_swap(a, a)); CHECK(tg_get(a, (int64_t[2]){ 1, 2 }) == 5);
    for (round = 0; round < 2000; round++) {                           /* either may end first: its block serves the other until then; far beyond the ring */
        tg_mark m = tg_begin(tg);
        tg_tensor *p = tg_full(tg, TG_SHAPE(4), round, TG_F32), *q;
        tg_mark n = tg_begin(tg);
        q = tg_full(tg, TG_SHAPE(4), -1, TG_F32);
        if (round & 1) tg_keep(q);
        CHECK(tg_swap(p, q));
        tg_end(tg, n);
        for (int i = 0; i < 300 && round % 500 == 0; i++) { tg_mark o = tg_begin(tg); (void)tg_ones(tg, TG_SHAPE(4)); tg_end(tg, o); }
        CHECK(tg_item(tg_sum(p)) == -4);
        tg_end(tg, m);
        if (round & 1) { CHECK(tg_item(tg_sum(q)) == 4. * round); tg_drop(q); }
    }
    /* refused: nothing has changed */
    CHECK(!tg_swap(a, tg_ones(tg, TG_SHAPE(3, 2)))); CHECK_ERROR(tg, TG_ERROR_SHAPE);
    CHECK(!tg_swap(a, tg_full(tg, TG_SHAPE(2, 3), 0, TG_F64))); CHECK_ERROR(tg, TG_ERROR_SHAPE);
    CHECK(!tg_swap(a, tg_ones(other, TG_SHAPE(2, 3)))); CHECK_ERROR(tg, TG_ERROR_CONTEXT);
    CHECK(!tg_swap(a, NULL)); CHECK_ERROR(tg, TG_ERROR_NULL);
    CHECK(!tg_swap(NULL, a)); CHECK_ERROR(tg, TG_ERROR_NULL);
    CHECK(!tg_swap(NULL, NULL));
    c = tg_ones(tg, TG_SHAPE(2, 3)); x = tg_t(c);
    CHECK(!tg_swap(a, c)); CHECK_ERROR(tg, TG_ERROR_VALUE);
    CHECK(!tg_swap(tg_ones(tg, TG_SHAPE(3, 2)), x)); CHECK_ERROR(tg, TG_ERROR_VALUE);
    c = tg_require_grad(tg_ones(tg, TG_SHAPE(2, 3)), true);
    CHECK(!tg_swap(a, c)); CHECK_ERROR(tg, TG_ERROR_GRAD);
    CHECK(!tg_swap(a, tg_square(c))); CHECK_ERROR(tg, TG_ERROR_VALUE);
    CHECK(tg_get(a, (int64_t[2]){ 1, 2 }) == 5);
    /* a graph that saved the old value says so instead of using the new one */
    y = tg_sum(tg_mul(c, c));
    tg_grad_mode(tg, false); CHECK(tg_swap(c, tg_full(tg, TG_SHAPE(2, 3), 9, TG_F32))); tg_grad_mode(tg, true);
    CHECK(!tg_backward(y)); CHECK_ERROR(tg, TG_ERROR_GRAD);
    CHECK(tg_backward(tg_sum(tg_mul(c, c)))); CHECK(tg_item(tg_sum(c->grad)) == 6 * 18);
    /* shared weights: each context takes the new ones when it likes */
    c = tg_full(tg, TG_SHAPE(2, 3), 4, TG_F32); x = tg_share(other, b); y = tg_share(other, c);
    CHECK(tg_swap(x, y)); CHECK(tg_item(tg_sum(x)) == 24 && tg_item(tg_sum(y)) == 6 && tg_item(tg_sum(b)) == 6);
    CHECK(!tg_zero_(x)); CHECK_ERROR(other, TG_ERROR_FROZEN);
    CHECK(tg_swap(b, c)); CHECK(tg_item(tg_sum(b)) == 24 && b->data == x->data);
    test_close(tg);
    CHECK(tg_item(tg_sum(x)) == 24);
    test_close(other);
    (void)test_heap_ended(&heap);
}

/* ---- long graphs, many contexts ---- */
static void test_many(void) {
    test_heap heap = TEST_HEAP;
    tg_ctx *tg = test_open_heap(&heap);
    tg_mark m = tg_begin(tg);
    tg_tensor *x = tg_require_grad(tg_ones(tg, TG_SHAPE(2)), true), *y = x;
    int i;
    long calls;
    for (i = 0; i < 200000 && y; i++) { tg_mark k = tg_begin(tg); y = tg_end_with(tg, k, tg_add_scalar(y, 1)); }
    CHECK(y != NULL); CHECK(tg_memory(tg).live_nodes >= 200000);
    tg_end(tg, m);
    CHECK_INT(tg_memory(tg).live_nodes, 0); CHECK_INT(tg_memory(tg).live_tensors, 0); CHECK_INT(tg_memory(tg).graph, 0);
    m = tg_begin(tg);
    x = tg_require_grad(tg_ones(tg, TG_SHAPE(2)), true);
    for (y = x, i = 0; i < 100000; i++) y = tg_mul(y, y);              /* saved values in a chain, released by tg_close */
    CHECK(tg_backward(tg_sum(y), .retain_graph = true));
    tg_keep(y);
    test_close(tg);
    (void)test_heap_ended(&heap);
    for (i = 0; i < 1000; i++) {
        tg = test_open_heap(&heap);
        if (i % 3 == 0) (void)tg_keep(tg_matmul(tg_ones(tg, TG_SHAPE(20, 20)), tg_ones(tg, TG_SHAPE(20, 20))));
        if (i % 5 == 0) (void)tg_backward(tg_sum(tg_square(tg_require_grad(tg_ones(tg, TG_SHAPE(3)), true))));
        if (i % 7 == 0) { (void)tg_begin(tg); (void)tg_begin(tg); (void)tg_set_name(tg_ones(tg, TG_SHAPE(2)), "name"); }
        if (i % 11 == 0) (void)tg_view(tg_ones(tg, TG_SHAPE(2)), TG_SHAPE(3));
        test_close(tg);
    }
    CHECK_INT(heap.blocks, 0);
    calls = heap.calls;
    CHECK(calls > 1000);
    (void)test_heap_ended(&heap);
}
static int warnings;
static void count_warnings(void *user, tg_log_level level, const char *text) { (void)user; (void)text; if (level == TG_LOG_WARNING) warnings++; }
static void test_beginner(void) {
    tg_config c = test_config(NULL);
    tg_ctx *tg;
    tg_tensor *x;
    int i;
    c.hooks.log = count_warnings;
    tg = tg_open(&c);
    for (i = 0; i < 210000; i++) x = tg_number(tg, i);
    CHECK(tg_item(x) == 209999);
    CHECK_INT(warnings, 1);                                            /* said once */
    tg_close(tg);
}

int main(void) {
    test_scopes();
    test_counts();
    test_ring();
    test_steady();
    test_steady_from();
    test_limit();
    test_sharing();
    test_swapping();
    test_many();
    test_beginner();
    test_empty();
    test_anomaly_memory();
    test_failing(true, 2);
    test_failing(true, 1);
    test_failing(false, 2);
    test_failing(true, 1000000000);
    return test_end("memory");
}
