/* What the tests of devices share: every operation of op_list.h, forward and backward, and every optimiser, on the CPU and on device OTHER from the same leaves, compared by their bits. `tg` is the context. */
#ifndef SAME
#define SAME same
#endif
/* where a device adds up in another order: results of WHAT that are near enough */
#ifndef NEAR
#define NEAR(a, b, what) false
#endif
/* ---- all ops ---- */
static tg_tensor *home(tg_tensor *t) { return t ? tg_to_device(tg_contiguous(t), TG_CPU) : NULL; }

typedef struct device_task { const row *r; double p[2]; const op_job *j; tg_tensor *condition; int view; } device_task;
static tg_tensor *run(const device_task *k, tg_tensor *const *in, int n) {
    tg_tensor *x[4];
    int i, m = 0;
    if (!k->r) { for (i = 0; i < n; i++) x[i] = viewed(in[i], k->j->view[i]); return k->j->c->f(x, n); }
    if (k->condition) x[m++] = viewed(tg_to_device(k->condition, in[0]->device), k->view);
    for (i = 0; i < n; i++) x[m++] = viewed(in[i], k->view);
    return k->r->call(x, k->p);
}
/* Forward and gradients here and there, from the same leaves. */
static void compare(const device_task *k, tg_tensor *const *x, int n, const char *what) {
    tg_tensor *here[4], *there[4], *a, *b, *ga[4], *gb[4], *seed;
    int i;
    bool ok;
    for (i = 0; i < n; i++) {
        here[i] = tg_clone(tg_detach(x[i]));
        there[i] = tg_to_device(tg_detach(x[i]), OTHER);
        if (here[i] && there[i] && tg_dtype_is_float(here[i]->dtype)) { tg_require_grad(here[i], true); tg_require_grad(there[i], true); }
    }
    if (!CHECK_MSG(!tg_failed(tg), "%s: %s", what, tg_error_text(tg))) { tg_clear(tg); return; }
    tg_default_device(tg, OTHER);                                                  /* what a function makes of tensors stays with them */
    a = run(k, here, n);
    tg_default_device(tg, TG_CPU);
    b = run(k, there, n);
    ok = CHECK_MSG(a && b && b->device == OTHER && !b->data && (SAME(tg_contiguous(a), home(b)) || NEAR(tg_contiguous(a), home(b), what)), "%s: on the device it is another value, or somewhere else: %s", what, tg_error_text(tg));
    if (ok && a->requires_grad && tg_dtype_is_float(a->dtype)) {
        seed = tg_to(tg_randn(tg, a->ndim, a->shape), a->dtype);
        tg_default_device(tg, OTHER);
        ok = tg_grad(&a, 1, here, n, ga, .grad_outputs = &seed, .allow_unused = true);
        tg_default_device(tg, TG_CPU);
        seed = tg_to_device(seed, OTHER);
        ok = ok && tg_grad(&b, 1, there, n, gb, .grad_outputs = &seed, .allow_unused = true);
        CHECK_MSG(ok, "%s: no gradient: %s", what, tg_error_text(tg));
        for (i = 0; ok && i < n; i++)
            CHECK_MSG(!ga[i] == !gb[i] && (!ga[i] || (gb[i]->device == OTHER && (SAME(tg_contiguous(ga[i]), home(gb[i])) || NEAR(tg_contiguous(ga[i]), home(gb[i]), what)))),
                "%s: gradient %d is another on the device: %s", what, i, tg_error_text(tg));
        /* and composed, as where it is differentiated again */
        if (ok) {
            a = run(k, here, n); b = run(k, there, n);
            seed = tg_ones_like(a);
            ok = tg_grad(&a, 1, here, n, ga, .grad_outputs = &seed, .allow_unused = true, .create_graph = true);
            seed = tg_ones_like(b);
            ok = ok && tg_grad(&b, 1, there, n, gb, .grad_outputs = &seed, .allow_unused = true, .create_graph = true);
            CHECK_MSG(ok, "%s: no gradient with a graph: %s", what, tg_error_text(tg));
            for (i = 0; ok && i < n; i++)
                CHECK_MSG(!ga[i] == !gb[i] && (!ga[i] || SAME(tg_contiguous(ga[i]), home(gb[i])) || NEAR(tg_contiguous(ga[i]), home(gb[i]), what)), "%s: gradient %d with a graph is another on the device: %s", what, i, tg_error_text(tg));
        }
    }
    tg_clear(tg);
}
/* `brief`: one layout and fewer dtypes */
static void all_ops(bool brief) {
    static const int64_t shape[3][2] = { { 3, 5 }, { 2, 70 }, { 1, 1 } };
    static const tg_dtype kinds[] = { TG_F32, TG_F64, TG_BF16, TG_I32, TG_BOOL };
    int i, k, d, v;
    for (i = 0; i < OP_ROWS; i++) for (d = 0; d < (brief ? 2 : 5); d++) for (v = brief ? 1 : 0; v < (brief ? 2 : 3); v++) {
        tg_mark m = tg_begin(tg);
        tg_tensor *x[3];
        char what[120];
        device_task w;
        int n = 0;
        memset(&w, 0, sizeof w);
        w.r = &rows[i]; w.view = v;
        numbers_of(w.r, kinds[d], w.p);
        for (k = 0; k < w.r->n; k++) {
            tg_tensor *t = operand(tg, w.r, k, kinds[d], 2, shape[v], 0);
            if (k == 0 && is(w.r->types, "CHOOSE")) w.condition = t; else x[n++] = t;
        }
        /* what the CPU refuses is refused there too */
        if (!run(&w, x, n)) {
            tg_error_code code = tg_error(tg);
            tg_clear(tg);
            for (k = 0; k < n; k++) x[k] = tg_to_device(x[k], OTHER);
            CHECK(!run(&w, x, n)); CHECK(tg_error(tg) == code);
            tg_clear(tg);
        } else {
            sprintf(what, "%.40s of %.8s, view %d", w.r->name, tg_dtype_name(kinds[d]), v);
            compare(&w, x, n, what);
        }
        tg_end(tg, m);
    }
    for (i = 0; i < (int)(sizeof ops / sizeof ops[0]); i++) {
        const char *at = ops[i].operands;
        while (at) {
            tg_mark m = tg_begin(tg);
            op_job j;
            tg_tensor *x[4];
            char what[120];
            device_task w;
            bool wide;
            int n;
            const char *end = op_operands(tg, &ops[i], at, &j, x, &n, &wide);
            memset(&w, 0, sizeof w);
            w.j = &j;
            sprintf(what, "%.40s of '%.*s'", ops[i].called, (int)(end - at) < 60 ? (int)(end - at) : 60, at);
            at = *end == '|' ? end + 1 : NULL;
            compare(&w, x, n, what);
            tg_end(tg, m);
        }
    }
}

/* Optimisers are no operations: every rule steps the same parameters here and there, some with row-sparse gradients; clipping and averages beside them. */
typedef struct parabola { tg_tensor *x, *to; } parabola;
static tg_tensor *height(void *user) {
    const parabola *p = (const parabola *)user;
    tg_tensor *loss = tg_sum(tg_square(tg_sub(p->x, p->to)));
    return tg_backward(loss) ? loss : NULL;
}
static void optimisers(void) {
    static const tg_dtype kinds[3] = { TG_F32, TG_F64, TG_BF16 };
    int rule, i, step, side;
    for (rule = TG_OPTIM_SGD; rule <= TG_OPTIM_LBFGS; rule++) {
        tg_mark m = tg_begin(tg);
        const int first = rule == TG_OPTIM_MUON ? 2 : 1;                   /* how many of another shape */
        tg_tensor *start[3], *p[2][3], *rows = tg_to(tg_from_f32(tg, TG_SHAPE(4), (const float[]){ 3, 1, 3, 0 }), TG_I64);
        double norm[2] = { 0, 0 };
        for (i = 0; i < 3; i++) start[i] = tg_to(i < first ? tg_randn(tg, TG_SHAPE(5, 30)) : tg_randn(tg, TG_SHAPE(6, 200)), rule == TG_OPTIM_LBFGS ? TG_F32 : kinds[i]);
        for (side = 0; side < 2; side++) {
            tg_random_state random = tg_random_get(tg);
            tg_optim_args a;
            tg_optim *o;
            parabola q;
            for (i = 0; i < 3; i++) p[side][i] = tg_require_grad(side ? tg_to_device(start[i], OTHER) : tg_clone(start[i]), true);
            memset(&a, 0, sizeof a);
            a.rule = (tg_optim_rule)rule; a.lr = 0.1; a.params = p[side]; a.n_params = rule == TG_OPTIM_LBFGS ? 1 : 3;
            a.master_weights = rule == TG_OPTIM_ADAMW; a.skip_nonfinite = rule == TG_OPTIM_ADAM; a.amsgrad = rule == TG_OPTIM_ADAM; a.strong_wolfe = rule == TG_OPTIM_LBFGS;
            if (rule == TG_OPTIM_SGD || rule == TG_OPTIM_RMSPROP) { a.momentum.is = rule == TG_OPTIM_RMSPROP; a.momentum.value = 0.9; a.centered = rule == TG_OPTIM_RMSPROP; }
            o = tg_optim_from(&a);
            q.x = p[side][0]; q.to = tg_zeros_like(p[side][0]);
            for (step = 0; step < 3 && o; step++) {
                if (rule == TG_OPTIM_LBFGS) { CHECK(tg_step_with(o, height, &q) >= 0); continue; }
                for (i = 0; i < 3; i++) {
                    tg_tensor *t = p[side][i], *w = tg_to(tg_randn(tg, TG_SHAPE(4, t->shape[1])), t->dtype), *r = rows;
                    const bool sparse = rule == TG_OPTIM_SPARSE_ADAM || ((rule == TG_OPTIM_SGD || rule == TG_OPTIM_ADAGRAD) && i != 1);
                    if (side) { w = tg_to_device(w, OTHER); r = tg_to_device(rows, OTHER); }
                    tg_sparse_grad(t, sparse);
                    CHECK(tg_backward(tg_sum(tg_mul(tg_index_select(t, 0, r), w))) && tg_is_sparse(tg_grad_of(t)) == sparse);
                }
                norm[side] += tg_clip_grad_norm_(p[side], 3, 0.5, .norm_type = { true, step + 1.0 });
                CHECK(tg_clip_grad_value_(p[side], 3, 0.05) && tg_step(o));
            }
            CHECK_MSG(o && !tg_failed(tg), "rule %d: %s", rule, tg_error_text(tg)); tg_clear(tg);
            tg_optim_free(o);
            if (!side) tg_random_set(tg, random);
        }
        for (i = 0; i < 3; i++) CHECK_MSG(SAME(tg_detach(p[0][i]), home(tg_detach(p[1][i]))), "rule %d: parameter %d is another on the device", rule, i);
        CHECK(norm[0] == norm[1]);
        for (i = 0; i < 3; i++) for (side = 0; side < 2; side++) p[side][i] = tg_detach(p[side][i]);
        for (side = 0; side < 2; side++) { tg_tensor *average = tg_ones_like(p[side][1]); CHECK(tg_ema_(&average, &p[side][1], 1, 0.5)); p[side][1] = average; }
        CHECK(SAME(p[0][1], home(p[1][1])));
        tg_end(tg, m);
    }
}

/* What is made of a shape or of packed data, on the CPU and where tg_default_device says, with the same random numbers. */
enum { CREATIONS = 21 };
static tg_tensor *created(int which) {
    static const int64_t whole[6] = { 3, -1, 4, 1, 5, 9 };
    static const float real[6] = { 3, -1, 4, 1.5f, 5, 9 };
    switch (which) {
        case 0: return tg_zeros(tg, TG_SHAPE(3, 4));
        case 1: return tg_ones(tg, TG_SHAPE(70));
        case 2: return tg_full(tg, TG_SHAPE(2, 5), 2.5, TG_BF16);
        case 3: return tg_full(tg, TG_SCALAR, 7, TG_I32);
        case 4: return tg_arange(tg, 2, 40, 3, TG_I64);
        case 5: return tg_arange(tg, 0, 1, 0.125, TG_F16);
        case 6: return tg_eye(tg, 5);
        case 7: return tg_eye_sized(tg, 3, 6, TG_I64);
        case 8: return tg_from(tg, TG_SHAPE(2, 3), TG_I64, whole);
        case 9: return tg_from_f32(tg, TG_SHAPE(3, 2), real);
        case 10: return tg_from_i64(tg, TG_SHAPE(0, 2), NULL);
        case 11: return tg_rand(tg, TG_SHAPE(9, 11));
        case 12: return tg_randn(tg, TG_SHAPE(9, 11));
        case 13: return tg_randint(tg, -3, 100, TG_SHAPE(33));
        case 14: return tg_randperm(tg, 50);
        case 15: return tg_linspace(tg, -1, 1, 7, TG_F32);
        case 16: return tg_linspace(tg, 3, 90, 8, TG_I64);
        case 17: return tg_logspace(tg, 0, 3, 4, 10, TG_F64);
        case 18: return tg_tril_indices(tg, 4, 5, 1, TG_I64);
        case 19: return tg_triu_indices(tg, 4, 5, 0, TG_I32);
        default: return tg_zero_(tg_empty(tg, TG_SHAPE(2, 2), TG_F64));
    }
}
static void creations(void) {
    const tg_device wrong = (tg_device)9;
    int i;
    for (i = 0; i < CREATIONS; i++) {
        tg_mark m = tg_begin(tg);
        const tg_random_state random = tg_random_get(tg);
        tg_tensor *here = created(i), *there;
        tg_random_set(tg, random);
        CHECK(tg_default_device(tg, OTHER) == TG_CPU);
        there = created(i);
        CHECK_MSG(here && there && here->device == TG_CPU && there->device == OTHER && !tg_failed(tg), "creation %d: %s", i, tg_error_text(tg));
        CHECK(tg_default_device(tg, TG_CPU) == OTHER);
        if (here && there) CHECK_MSG(here->dtype == there->dtype && (SAME(here, home(there)) || (i == 17 && tg_allclose(here, home(there), 1e-14, 0))), "creation %d: other values", i);
        tg_clear(tg);
        tg_end(tg, m);
    }
    /* numbers and wrapped memory stay; a device that is none changes nothing */
    tg_default_device(tg, OTHER);
    { float v[2] = { 1, 2 }; CHECK(tg_number(tg, 2)->device == TG_CPU && tg_integer(tg, 2)->device == TG_CPU && tg_wrap(tg, TG_SHAPE(2), TG_F32, v)->device == TG_CPU); }
    CHECK(tg_default_device(tg, wrong) == OTHER); CHECK_ERROR(tg, TG_ERROR_UNSUPPORTED);
    CHECK(tg_default_device(tg, TG_CPU) == OTHER);
    /* it is given back after an error, too */
    tg_default_device(tg, OTHER); tg_default_device(tg, wrong);
    CHECK(tg_default_device(tg, TG_CPU) == OTHER); CHECK_ERROR(tg, TG_ERROR_UNSUPPORTED);
    CHECK(tg_default_device(tg, TG_CPU) == TG_CPU);
}

/* There and back, with its gradients by differences. */
static tg_tensor *moved(tg_tensor *const *x, int n) { (void)n; return tg_exp(tg_to_device(tg_square(tg_to_device(x[0], OTHER)), TG_CPU)); }
#define OP(record, f, operands) { record, #f, f, operands },
static const op_case moves[] = {
    OP("to_device", moved, "2 3|t 2 3|g 3|0 3|")
};
#undef OP
static void test_move(void) {
    const char *at = moves[0].operands;
    while (at) {
        tg_mark m = tg_begin(tg);
        op_job j;
        tg_tensor *x[4];
        tg_function_call c;
        bool wide;
        int n;
        const char *end = op_operands(tg, &moves[0], at, &j, x, &n, &wide);
        memset(&c, 0, sizeof c);
        c.f = call_op; c.user = &j; c.inputs = x; c.n_inputs = n; c.n_outputs = 1;
        CHECK_MSG(tg_gradcheck(&c, .atol = 1e-6, .rtol = 1e-5, .second = true), "to_device of '%s': %s", at, tg_error_text(tg));
        tg_clear(tg);
        at = *end == '|' ? end + 1 : NULL;
        tg_end(tg, m);
    }
}
