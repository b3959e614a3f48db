/* run.sh flags: -lpthread -lm */
/* Optimisers: every rule against a plain loop in double, over odd shapes, strided, empty and 0-d parameters, of f32, f64 and halves, with rates that change and gradients that are absent; the same bits
   for any number of threads, and in strict mode on every instruction set; groups, row-sparse gradients, clipping, averages, L-BFGS, resuming; mistakes; memory that runs out at any allocation. */
#include "test.h"
#include <math.h>

static tg_ctx *tg;
#define REFUSED(code, call, text) do { CHECK(!(call)); CHECK_MSG(strstr(tg_error_text(tg), text) != NULL, "%s", tg_error_text(tg)); CHECK_ERROR(tg, code); } while (0)

static double *values(tg_tensor *t) {                          /* as double, row-major; the caller frees */
    double *v = (double *)calloc((size_t)(t ? t->numel : 0) + 1, sizeof *v);
    if (t) CHECK(tg_read(tg_contiguous(tg_to(tg_detach(t), TG_F64)), v, (size_t)t->numel * sizeof *v));
    return v;
}
static tg_tensor *random_of(tg_ctx *own, int ndim, const int64_t *shape, tg_dtype d, double low, double high) {
    double *v;
    int64_t n = 1, i;
    tg_tensor *t;
    for (i = 0; i < ndim; i++) n *= shape[i];
    v = (double *)malloc((size_t)(n + 1) * sizeof *v);
    for (i = 0; i < n; i++) v[i] = test_uniform(low, high);
    t = tg_to(tg_from(own, ndim, shape, TG_F64, v), d);
    free(v);
    return t;
}
static bool same(tg_tensor *a, tg_tensor *b) {
    bool ok;
    void *x, *y;
    size_t n;
    if (!a || !b || a->dtype != b->dtype || a->numel != b->numel) return false;
    n = (size_t)a->numel * tg_dtype_size(a->dtype);
    x = malloc(n + 1); y = malloc(n + 1);
    ok = tg_read(tg_contiguous(tg_detach(a)), x, n) && tg_read(tg_contiguous(tg_detach(b)), y, n) && memcmp(x, y, n) == 0;
    free(x); free(y);
    return ok;
}

/* ---- the rules, in double, as torch's documentation writes them ---- */
typedef struct reference { int64_t n, t; double *p, *s[3], product, eta, mu; } reference;
static double given(tg_maybe m, double absent) { return m.is ? m.value : absent; }
static double sign(double v) { return v > 0 ? 1 : v < 0 ? -1 : v; }
static void reference_step(const tg_optim_args *a, double lr, reference *r, const double *grad) {
    const bool adam = a->rule == TG_OPTIM_ADAM || a->rule == TG_OPTIM_ADAMW || a->rule == TG_OPTIM_NADAM || a->rule == TG_OPTIM_RADAM || a->rule == TG_OPTIM_ADAMAX;
    const double wd = given(a->weight_decay, a->rule == TG_OPTIM_ADAMW ? 0.01 : 0), b1 = given(a->betas[0], 0.9), b2 = given(a->betas[1], a->rule == TG_OPTIM_LION ? 0.99 : 0.999);
    const double eps = given(a->eps, a->rule == TG_OPTIM_ADAGRAD ? 1e-10 : a->rule == TG_OPTIM_ADADELTA ? 1e-6 : 1e-8), momentum = given(a->momentum, 0), alpha = given(a->alpha, a->rule == TG_OPTIM_ASGD ? 0.75 : 0.99);
    const bool apart = a->rule == TG_OPTIM_ADAMW || a->rule == TG_OPTIM_LION || a->decoupled_weight_decay;
    const double t = (double)++r->t, c1 = 1 - pow(b1, t), c2 = 1 - pow(b2, t), md = given(a->momentum_decay, 4e-3), lambd = given(a->lambd, 1e-4), rho = given(a->rho, 0.9);
    const double mu = b1 * (1 - 0.5 * pow(0.96, t * md)), mu_next = b1 * (1 - 0.5 * pow(0.96, (t + 1) * md)), most = 2 / (1 - b2) - 1, length = most - 2 * t * pow(b2, t) / c2;
    int64_t i;
    if (t == 1) { r->product = 1; r->eta = (float)lr; r->mu = 1; }
    r->product *= mu;
    for (i = 0; i < r->n; i++) {
        double *p = &r->p[i], *s = &r->s[0][i], *u = &r->s[1][i], *w = &r->s[2][i], g = (a->maximize ? -grad[i] : grad[i]) / (a->loss_scale > 0 ? a->loss_scale : 1), d, v;
        if (apart) *p *= 1 - lr * wd; else g += wd * *p;
        if (t == 1 && a->rule == TG_OPTIM_ADAGRAD) *s = given(a->initial_accumulator_value, 0);
        if (t == 1 && a->rule == TG_OPTIM_RPROP) *u = lr;
        if (adam || a->rule == TG_OPTIM_LION) d = b1 * *s + (1 - b1) * g; else d = 0;
        switch (a->rule) {
            case TG_OPTIM_SGD:
                if (momentum > 0) { *s = t == 1 ? g : momentum * *s + (1 - given(a->dampening, 0)) * g; g = a->nesterov ? g + momentum * *s : *s; }
                *p -= lr * g;
                break;
            case TG_OPTIM_ADAM: case TG_OPTIM_ADAMW: case TG_OPTIM_NADAM: case TG_OPTIM_RADAM:
                *s = d; *u = b2 * *u + (1 - b2) * g * g; v = *u;
                if (a->amsgrad) v = *w = fmax(*w, v);
                if (a->rule == TG_OPTIM_NADAM) { v = sqrt(v / c2) + eps; *p -= lr * (1 - mu) / (1 - r->product) * g / v + lr * mu_next / (1 - r->product * mu_next) * *s / v; }
                else if (a->rule == TG_OPTIM_RADAM) *p -= lr * *s / c1 * (length > 5 ? sqrt((length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length)) * sqrt(c2) / (sqrt(v) + eps) : 1);
                else *p -= lr / c1 * *s / (sqrt(v) / sqrt(c2) + eps);
                break;
            case TG_OPTIM_RMSPROP:
                *s = alpha * *s + (1 - alpha) * g * g; v = *s;
                if (a->centered) { *u = alpha * *u + (1 - alpha) * g; v -= *u * *u; }
                d = g / (sqrt(v) + eps);
                if (momentum > 0) d = *w = momentum * *w + d;
                *p -= lr * d;
                break;
            case TG_OPTIM_ADAGRAD: *s += g * g; *p -= lr / (1 + (t - 1) * given(a->lr_decay, 0)) * g / (sqrt(*s) + eps); break;
            case TG_OPTIM_ADADELTA: *s = rho * *s + (1 - rho) * g * g; d = sqrt(*u + eps) / sqrt(*s + eps) * g; *u = rho * *u + (1 - rho) * d * d; *p -= lr * d; break;
            case TG_OPTIM_ADAMAX: *s = d; *u = fmax(b2 * *u, fabs(g) + eps); *p -= lr / c1 * *s / *u; break;
            case TG_OPTIM_ASGD: *p = *p * (1 - lambd * r->eta) - r->eta * g; *s += (*p - *s) * r->mu; break;
            case TG_OPTIM_RPROP:
                v = sign(g * *s);
                *u = fmin(fmax(*u * (v < 0 ? given(a->etas[0], 0.5) : v > 0 ? given(a->etas[1], 1.2) : 1), given(a->step_sizes[0], 1e-6)), given(a->step_sizes[1], 50));
                if (v < 0) g = 0;
                *s = g; *p -= sign(g) * *u;
                break;
            default: *p -= lr * sign(d); *s = b2 * *s + (1 - b2) * g; break;
        }
    }
    r->eta = (float)(lr / pow(1 + lambd * lr * t, alpha));                                 /* f32, as torch has it, and mu */
    r->mu = (float)(1 / fmax(1, t - given(a->t0, 1e6)));
}

/* ---- all rules, with options ---- */
static const tg_optim_args cases[] = {
    { .rule = TG_OPTIM_SGD, .lr = 0.1 }, { .rule = TG_OPTIM_SGD, .lr = 0.1, .momentum = TG_IS(0.9), .dampening = TG_IS(0.3), .weight_decay = TG_IS(0.1) },
    { .rule = TG_OPTIM_SGD, .lr = 0.1, .momentum = TG_IS(0.8), .nesterov = true, .maximize = true, .loss_scale = 4 },
    { .rule = TG_OPTIM_ADAM, .lr = 0.01 }, { .rule = TG_OPTIM_ADAM, .lr = 0.05, .amsgrad = true, .betas = { TG_IS(0.5), TG_IS(0.7) }, .weight_decay = TG_IS(0.1) },
    { .rule = TG_OPTIM_ADAM, .lr = 0.05, .decoupled_weight_decay = true, .betas = { TG_IS(0), TG_IS(0) }, .weight_decay = TG_IS(0.1), .maximize = true },
    { .rule = TG_OPTIM_ADAMW, .lr = 0.01 }, { .rule = TG_OPTIM_ADAMW, .lr = 0.05, .amsgrad = true, .weight_decay = TG_IS(0.3), .eps = TG_IS(1e-3), .loss_scale = 128 }, { .rule = TG_OPTIM_ADAMW, .lr = 0.05, .weight_decay = TG_IS(0) },
    { .rule = TG_OPTIM_RMSPROP, .lr = 0.01 }, { .rule = TG_OPTIM_RMSPROP, .lr = 0.01, .centered = true, .momentum = TG_IS(0.9), .alpha = TG_IS(0.9), .eps = TG_IS(1e-3), .weight_decay = TG_IS(0.1), .maximize = true },
    { .rule = TG_OPTIM_ADAGRAD, .lr = 0.05 }, { .rule = TG_OPTIM_ADAGRAD, .lr = 0.05, .lr_decay = TG_IS(0.1), .initial_accumulator_value = TG_IS(0.3), .weight_decay = TG_IS(0.1) },
    { .rule = TG_OPTIM_ADADELTA, .lr = 1, .eps = TG_IS(1e-3) }, { .rule = TG_OPTIM_ADADELTA, .lr = 0.7, .rho = TG_IS(0.5), .eps = TG_IS(1e-2), .weight_decay = TG_IS(0.1) },
    { .rule = TG_OPTIM_ADAMAX, .lr = 0.01 }, { .rule = TG_OPTIM_ADAMAX, .lr = 0.01, .betas = { TG_IS(0.5), TG_IS(0.6) }, .eps = TG_IS(1e-2), .weight_decay = TG_IS(0.1) },
    { .rule = TG_OPTIM_NADAM, .lr = 0.01 }, { .rule = TG_OPTIM_NADAM, .lr = 0.01, .momentum_decay = TG_IS(0.1), .decoupled_weight_decay = true, .weight_decay = TG_IS(0.1) }, { .rule = TG_OPTIM_NADAM, .lr = 0.01, .betas = { TG_IS(0), TG_IS(0.9) } },
    { .rule = TG_OPTIM_RADAM, .lr = 0.01 }, { .rule = TG_OPTIM_RADAM, .lr = 0.01, .betas = { TG_IS(0.5), TG_IS(0.7) }, .weight_decay = TG_IS(0.1) }, { .rule = TG_OPTIM_RADAM, .lr = 0.01, .betas = { TG_IS(0.9), TG_IS(0.6) }, .decoupled_weight_decay = true, .weight_decay = TG_IS(0.1) },
    { .rule = TG_OPTIM_ASGD, .lr = 0.05 }, { .rule = TG_OPTIM_ASGD, .lr = 0.05, .lambd = TG_IS(0.1), .alpha = TG_IS(0.5), .t0 = TG_IS(1), .weight_decay = TG_IS(0.1) },
    { .rule = TG_OPTIM_RPROP, .lr = 0.01 }, { .rule = TG_OPTIM_RPROP, .lr = 0.01, .etas = { TG_IS(0.3), TG_IS(2) }, .step_sizes = { TG_IS(0.005), TG_IS(0.03) }, .maximize = true },
    { .rule = TG_OPTIM_LION, .lr = 0.01 }, { .rule = TG_OPTIM_LION, .lr = 0.01, .betas = { TG_IS(0.5), TG_IS(0.6) }, .weight_decay = TG_IS(0.1) },
};
enum { CASES = sizeof cases / sizeof cases[0], PARAMS = 8, STEPS = 7 };

/* Parameters of many layouts; leaves. */
static void parameters(tg_ctx *own, tg_dtype d, tg_tensor **p) {
    int i;
    p[0] = random_of(own, TG_SHAPE(17), d, -1, 1);
    p[1] = tg_detach(tg_t(random_of(own, TG_SHAPE(5, 7), d, -1, 1)));
    p[2] = tg_detach(tg_slice(random_of(own, TG_SHAPE(6, 9), d, -1, 1), "::2, 1::3"));
    p[3] = random_of(own, TG_SCALAR, d, -1, 1);
    p[4] = random_of(own, TG_SHAPE(0, 3), d, -1, 1);
    p[5] = random_of(own, TG_SHAPE(3, 2791), d, -1, 1);                    /* more than a chunk in all */
    p[6] = tg_detach(tg_slice(random_of(own, TG_SHAPE(2, 3, 70), d, -1, 1), "..., ::-1"));
    p[7] = random_of(own, TG_SHAPE(512), d, -1, 1);                         /* a block */
    for (i = 0; i < PARAMS; i++) tg_require_grad(p[i], true);
}
static bool has_grad(int param, int step) { return !(param == 2 && step == 1) && !(param == 5 && step < 2) && param != 7; }
/* Steps with the same random gradients for the same seed. */
static void steps(tg_optim *o, tg_tensor **p, const tg_optim_args *a, reference *r) {
    int step, i;
    for (step = 0; step < STEPS; step++) {
        const double lr = a->lr * (step < 3 ? 1 : 0.5 + 0.1 * step);
        tg_mark m = tg_begin(o->tg);
        CHECK(tg_optim_set_lr(o, -1, lr));
        for (i = 0; i < PARAMS; i++) {
            tg_tensor *g = random_of(o->tg, p[i]->ndim, p[i]->shape, p[i]->dtype, -1, 1);
            double *v;
            if (!has_grad(i, step)) continue;
            CHECK(tg_backward(p[i], .gradient = g));
            if (!r) continue;
            v = values(g);
            reference_step(a, lr, &r[i], v);
            free(v);
        }
        CHECK_MSG(tg_step(o), "%s", tg_error_text(o->tg));
        for (i = 0; i < PARAMS; i++) CHECK(!tg_has_grad(p[i]));
        tg_end(o->tg, m);
    }
}
static void test_rules(tg_dtype d, bool master) {
    int k, i;
    for (k = 0; k < CASES; k++) {
        tg_mark m = tg_begin(tg);
        tg_optim_args a = cases[k];
        tg_tensor *p[PARAMS], *untouched;
        reference r[PARAMS];
        tg_optim *o;
        const bool half = d == TG_F16 || d == TG_BF16;
        parameters(tg, d, p);
        untouched = tg_clone(tg_detach(p[7]));
        for (i = 0; i < PARAMS; i++) {
            int s;
            memset(&r[i], 0, sizeof r[i]);
            r[i].n = p[i]->numel; r[i].p = values(p[i]);
            for (s = 0; s < 3; s++) r[i].s[s] = (double *)calloc((size_t)r[i].n + 1, sizeof(double));
        }
        a.params = p; a.n_params = PARAMS; a.master_weights = master;
        o = tg_optim_from(&a);
        if (CHECK_MSG(o != NULL, "%s", tg_error_text(tg))) steps(o, p, &a, r);
        for (i = 0; o && i < PARAMS; i++) {
            double *v = values(p[i]), worst = 0, e;
            int64_t j, s;
            /* halves without a copy in f32 round at each step; what then stays smaller than half a step of theirs is lost */
            const double tolerance = d == TG_F64 ? 1e-11 : d == TG_F32 ? 1e-5 : (d == TG_F16 ? 1.0 / 1024 : 1.0 / 128) * (master ? 1.01 : STEPS);
            for (j = 0; j < p[i]->numel; j++) { e = fabs(v[j] - r[i].p[j]) / fmax(1, fabs(r[i].p[j])); if (!(e <= worst)) worst = e; }
            CHECK_MSG(worst <= tolerance, "case %d (%s), %s%s, parameter %d: apart by %g", k, tg__rules[a.rule].name, tg_dtype_name(d), master ? " with master weights" : "", i, worst);
            if (half && !master && i == 0) CHECK(o->param[0].kept[0] == NULL || o->param[0].kept[0]->dtype == TG_F32);
            free(v); free(r[i].p);
            for (s = 0; s < 3; s++) free(r[i].s[s]);
        }
        CHECK(same(p[7], untouched) && o && !o->param[7].kept[0]);
        tg_optim_free(o);
        tg_end(tg, m);
        CHECK_OK(tg);
    }
}

/* The same bits for any number of threads, and in strict mode for every instruction set. */
static uint64_t bits_of(tg_config *config, tg_dtype d, bool *there) {
    tg_ctx *own = tg_open(config);
    uint64_t hash = 0;
    int k, i;
    *there = own != NULL;
    if (!own) return 0;
    test_random_state = 12345;
    for (k = 0; k < CASES; k++) {
        tg_mark m = tg_begin(own);
        tg_optim_args a = cases[k];
        tg_tensor *p[PARAMS];
        tg_optim *o;
        double norm;
        parameters(own, d, p);
        a.params = p; a.n_params = PARAMS;
        o = tg_optim_from(&a);
        if (o) steps(o, p, &a, NULL);
        for (i = 0; i < PARAMS; i++) {
            const size_t n = (size_t)p[i]->numel * tg_dtype_size(d);
            void *v = malloc(n + 1);
            CHECK(tg_read(tg_contiguous(tg_detach(p[i])), v, n));
            hash = test_hash(hash, v, n);
            free(v);
            tg_backward(p[i], .gradient = random_of(own, p[i]->ndim, p[i]->shape, d, -1, 1));
        }
        norm = tg_clip_grad_norm_(p, PARAMS, 1, .norm_type = k % 3 == 0 ? (tg_maybe)TG_IS(2) : k % 3 == 1 ? (tg_maybe)TG_IS(1) : (tg_maybe)TG_IS(INFINITY));
        hash = test_hash(hash, &norm, sizeof norm);
        tg_optim_free(o);
        tg_end(own, m);
    }
    CHECK_OK(own);
    test_close(own);
    return hash;
}
static void test_bits(void) {
    static const tg_dtype kinds[] = { TG_F32, TG_F64, TG_BF16 };
    static const int threads[] = { 1, 2, 5 };
    static const tg_isa isas[] = { TG_ISA_PLAIN, TG_ISA_AVX2, TG_ISA_AVX512, TG_ISA_NEON };
    int k, i;
    for (k = 0; k < 3; k++) {
        uint64_t first = 0, strict = 0;
        bool there;
        for (i = 0; i < 3; i++) {
            tg_config c = { 0 };
            uint64_t h;
            c.threads = threads[i];
            h = bits_of(&c, kinds[k], &there);
            if (!there) { SKIP("no threads here"); continue; }
            if (!first) first = h;
            CHECK_MSG(h == first, "%s: %d threads give other bits", tg_dtype_name(kinds[k]), threads[i]);
        }
        for (i = 0; i < 4; i++) {
            tg_config c = { 0 };
            uint64_t h;
            if (!tg_isa_supported(isas[i])) continue;
            c.isa = isas[i]; c.strict = i > 0; c.threads = i + 1;        /* the plain pass may have no strict mode: the rules need none */
            h = bits_of(&c, kinds[k], &there);
            if (!there) continue;
            if (!strict) { strict = h; continue; }
            CHECK_MSG(h == strict, "%s: instruction set %d gives other bits in strict mode", tg_dtype_name(kinds[k]), (int)isas[i]);
        }
    }
}

/* ---- what is left as it was ---- */
static tg_tensor *leaf(tg_tensor *t) { return tg_require_grad(t, true); }
static void test_whole(void) {
    tg_mark m = tg_begin(tg);
    tg_tensor *p[3], *before[3], *y;
    tg_optim *o, *s;
    tg_ctx *other = test_open();
    int i;
    for (i = 0; i < 3; i++) p[i] = leaf(random_of(tg, TG_SHAPE(4, 3), TG_F32, -1, 1));
    o = tg_adam(p, 3, 0.1, .weight_decay = TG_IS(0.1));
    CHECK(o && tg_optim_count(o) == 3 && tg_optim_groups(o) == 1 && tg_optim_params(o)[2] == p[2]);
    CHECK(tg_step(o));                                                     /* no gradients: nothing to do */
    CHECK(!o->param[0].kept[0] && o->param[0].steps == 0);
    /* an error that is pending stops it */
    for (i = 0; i < 3; i++) { before[i] = tg_clone(tg_detach(p[i])); tg_backward(p[i], .gradient = tg_ones_like(p[i])); }
    (void)tg_matmul(p[0], p[1]);
    CHECK(tg_failed(tg) && !tg_step(o)); tg_clear(tg);
    for (i = 0; i < 3; i++) CHECK(same(p[i], before[i]) && tg_has_grad(p[i]));
    /* one gradient that is refused: none is stepped */
    tg_zero_grad(p[2]); tg_sparse_grad(p[2], true);
    tg_backward(tg_sum(tg_index_select(p[2], 0, tg_to(tg_from_f32(tg, TG_SHAPE(2), (const float[]){ 1, 3 }), TG_I64))));
    CHECK(tg_is_sparse(tg_grad_of(p[2])));
    REFUSED(TG_ERROR_GRAD, tg_step(o), "adam: the gradient of parameter 2, f32[4, 3], is row-sparse, which adam does not take; sparse_adam, adagrad and sgd do");
    for (i = 0; i < 3; i++) CHECK(same(p[i], before[i]) && !o->param[i].kept[0] && o->param[i].steps == 0);
    tg_zero_grad(p[2]);
    /* a frozen storage */
    CHECK(tg_share(other, p[1]));
    REFUSED(TG_ERROR_FROZEN, tg_step(o), "is shared with another context and frozen");
    CHECK(same(p[0], before[0]) && same(p[1], before[1]));
    test_close(other);
    CHECK(tg_optim_step(o) && tg_has_grad(p[0]) && !same(p[0], before[0]) && same(p[2], before[2]) && o->param[0].steps == 1 && o->param[2].steps == 0);
    CHECK(tg_optim_zero_grad(o) && !tg_has_grad(p[0]));
    /* a value that a graph still needs was overwritten: the backward says by whom */
    y = tg_sum(tg_square(p[0]));
    tg_backward(p[0], .gradient = tg_ones_like(p[0])); CHECK(tg_step(o));
    REFUSED(TG_ERROR_GRAD, tg_backward(y), "overwritten afterwards by 'adam'");
    /* the place of the call, where steps go wrong */
    s = tg_sparse_adam(p, 1, 0.1);
    tg_backward(p[0], .gradient = tg_ones_like(p[0]));
    REFUSED(TG_ERROR_GRAD, tg_step(s), "test_optim.c");
    REFUSED(TG_ERROR_GRAD, tg_step(s), "is dense; sparse_adam is for row-sparse ones");
    tg_optim_free(s); tg_optim_free(o); tg_optim_free(NULL);
    CHECK(!tg_step(NULL) && !tg_failed(tg));
    /* gradients that are not finite are left out and counted */
    tg_zero_grad(p[0]);
    o = tg_sgd(p, 2, 1, .skip_nonfinite = true, .momentum = TG_IS(0.9));
    before[0] = tg_clone(tg_detach(p[0]));
    tg_backward(p[0], .gradient = tg_ones_like(p[0])); tg_backward(p[1], .gradient = tg_div(tg_ones_like(p[1]), tg_zeros_like(p[1])));
    CHECK(tg_step(o) && tg_optim_skipped(o) == 1 && same(p[0], before[0]) && !tg_has_grad(p[0]) && !o->param[0].kept[0]);
    tg_backward(p[0], .gradient = tg_log(tg_full_like(p[0], -1)));
    CHECK(tg_step(o) && tg_optim_skipped(o) == 2 && same(p[0], before[0]));
    tg_backward(p[0], .gradient = tg_ones_like(p[0]));
    CHECK(tg_step(o) && tg_optim_skipped(o) == 2 && same(p[0], tg_sub_scalar(before[0], 1)));
    tg_optim_free(o);
    tg_end(tg, m);
    CHECK_OK(tg);
}
static void test_mistakes(void) {
    tg_mark m = tg_begin(tg);
    tg_tensor *p[3], *bad[2], *wide;
    tg_optim *o;
    tg_optim_args a;
    p[0] = leaf(tg_randn(tg, TG_SHAPE(3, 4))); p[1] = leaf(tg_randn(tg, TG_SHAPE(4))); p[2] = leaf(tg_randn(tg, TG_SHAPE(2)));
    REFUSED(TG_ERROR_VALUE, tg_adam(p, 1, 0.1, .momentum = TG_IS(0.9)), "adam: adam has no option momentum");
    REFUSED(TG_ERROR_VALUE, tg_lbfgs(p, 1, 1, .skip_nonfinite = true), "lbfgs has no option skip_nonfinite");
    REFUSED(TG_ERROR_VALUE, tg_adam(p, 1, -0.1), "lr: expected 0 or more, got -0.1");
    REFUSED(TG_ERROR_VALUE, tg_adam(p, 1, NAN), "lr");
    REFUSED(TG_ERROR_VALUE, tg_adam(p, 1, 0.1, .betas = { TG_IS(1) }), "beta1: expected 0 to 1, without 1, got 1");
    REFUSED(TG_ERROR_VALUE, tg_rprop(p, 1, 0.1, .etas = { TG_IS(1.5) }), "eta_minus");
    REFUSED(TG_ERROR_VALUE, tg_sgd(p, 1, 0.1, .nesterov = true), "nesterov needs a momentum above 0 and no dampening");
    REFUSED(TG_ERROR_VALUE, tg_sgd(p, 1, 0.1, .loss_scale = -1), "loss_scale");
    REFUSED(TG_ERROR_VALUE, tg_sgd(p, 1, 0.1, .loss_scale = NAN), "loss_scale");
    REFUSED(TG_ERROR_VALUE, tg_muon(p, 1, 0.1, .ns_steps = -1), "ns_steps");
    REFUSED(TG_ERROR_SHAPE, tg_muon(p, 2, 0.1), "parameter 1 is f32[4]; muon is for matrices");
    REFUSED(TG_ERROR_VALUE, tg_adam(((tg_tensor *[]){ p[0], p[1], p[0] }), 3, 0.1), "parameter 2, f32[3, 4], is given twice");
    bad[0] = leaf(tg_detach(tg_slice(p[0], "0:2"))); bad[1] = leaf(tg_detach(tg_slice(p[0], "1:3")));
    REFUSED(TG_ERROR_VALUE, tg_adam(bad, 2, 0.1), "shares memory with");
    bad[0] = p[0]; bad[1] = tg_randn(tg, TG_SHAPE(3));
    REFUSED(TG_ERROR_GRAD, tg_adam(bad, 2, 0.1), "parameter 1, f32[3], does not require a gradient; tg_require_grad it first");
    bad[1] = tg_square(p[1]);
    REFUSED(TG_ERROR_GRAD, tg_adam(bad, 2, 0.1), "is the result of 'square', not a leaf");
    bad[1] = NULL;
    REFUSED(TG_ERROR_NULL, tg_adam(bad, 2, 0.1), "operand 1 is NULL");
    wide = leaf(tg_detach(tg_expand(tg_randn(tg, TG_SHAPE(1)), TG_SHAPE(4))));
    REFUSED(TG_ERROR_SHAPE, tg_adam(&wide, 1, 0.1), "has elements that share memory");
    CHECK(!tg_adam(p, 0, 0.1) && !tg_adam((tg_tensor *const *)NULL, 2, 0.1) && !tg_failed(tg));      /* nobody to tell */
    memset(&a, 0, sizeof a); a.params = p; a.n_params = 1; a.lr = 1;
    REFUSED(TG_ERROR_VALUE, tg_optim_from(&a), "rule");
    /* groups and options by name */
    o = tg_adamw(p, 1, 0.1, .eps = TG_IS(1e-3));
    CHECK(tg_optim_group(o, p + 1, 1, 0.2, .weight_decay = TG_IS(0)) && tg_optim_groups(o) == 2 && tg_optim_count(o) == 2);
    CHECK(tg_optim_get(o, 0, "weight_decay") == 0.01 && tg_optim_get(o, 1, "weight_decay") == 0 && tg_optim_get(o, 1, "eps") == 1e-3 && tg_optim_lr(o, 1) == 0.2 && tg_optim_lr(o, -1) == 0.1);
    REFUSED(TG_ERROR_VALUE, tg_optim_group(o, p, 1, 0.2), "is given twice");
    REFUSED(TG_ERROR_VALUE, tg_optim_group(o, p + 2, 1, 0.2, .rho = TG_IS(0.1)), "no option rho");
    REFUSED(TG_ERROR_NULL, tg_optim_group(o, (tg_tensor *const *)NULL, 1, 0.2), "no parameters given");
    {   /* a module's parameters as a group; and those that are not its own any more */
        tg_module *net = tg_nn_sequential(tg, tg_nn_linear(tg, 2, 3), tg_nn_relu(tg), tg_nn_linear(tg, 3, 1, .no_bias = true));
        tg_optim *of = tg_optim_sgd(tg_module_at(net, "0"), 0.1);
        CHECK(tg_optim_group(of, NULL, 0, 0.3, .module = tg_module_at(net, "2")) && tg_optim_groups(of) == 2 && tg_optim_count(of) == 3 && tg_optim_params(of)[2] == tg_module_tensor_at(net, "2.weight") && tg_optim_lr(of, 1) == 0.3);
        REFUSED(TG_ERROR_VALUE, tg_optim_group(of, NULL, 0, 0.3, .module = tg_module_at(net, "2")), "is given twice");
        REFUSED(TG_ERROR_VALUE, tg_optim_group(of, NULL, 0, 0.3, .module = tg_module_at(net, "1")), "ReLU has no parameter that requires a gradient");
        CHECK(tg_module_to(net, TG_F64) && tg_backward(tg_sum(tg_forward(net, tg_to(tg_ones(tg, TG_SHAPE(1, 2)), TG_F64)))));
        REFUSED(TG_ERROR_VALUE, tg_step(of), "parameter 0 is no longer the module's: an optimiser is made after tg_module_to");
        of = tg_optim_sgd(net, 0.1);
        CHECK(tg_module_to(net, TG_F64) && tg_step(of));                    /* nothing to change */
        tg_module_free(net);
    }
    CHECK(tg_optim_groups(o) == 2 && tg_optim_count(o) == 2);
    CHECK(isnan(tg_optim_get(o, 2, "lr"))); CHECK_ERROR(tg, TG_ERROR_VALUE);
    CHECK(isnan(tg_optim_get(o, 0, "momentum"))); CHECK_ERROR(tg, TG_ERROR_VALUE);
    CHECK(isnan(tg_optim_get(o, 0, NULL))); CHECK_ERROR(tg, TG_ERROR_NULL);
    REFUSED(TG_ERROR_VALUE, tg_optim_set(o, 0, "beta1", 2), "beta1");
    CHECK(tg_optim_set(o, 1, "beta1", 0.5) && tg_optim_get(o, 0, "beta1") == 0.9 && tg_optim_get(o, 1, "beta1") == 0.5);
    CHECK(tg_optim_set_lr(o, -1, 0.3) && tg_optim_lr(o, 0) == 0.3 && tg_optim_lr(o, 1) == 0.3);
    CHECK(isnan(tg_step_with(o, NULL, NULL))); CHECK_ERROR(tg, TG_ERROR_NULL);
    tg_optim_free(o);
    o = tg_lbfgs(p, 2, 1);
    REFUSED(TG_ERROR_VALUE, tg_step(o), "lbfgs looks at the loss several times in a step: tg_step_with");
    REFUSED(TG_ERROR_VALUE, tg_optim_group(o, p + 2, 1, 1), "lbfgs has one group");
    tg_optim_free(o);
    CHECK(!tg_optim_groups(NULL) && !tg_optim_count(NULL) && !tg_optim_params(NULL) && !tg_optim_skipped(NULL));
    tg_end(tg, m);
    CHECK_OK(tg);
}

/* Two groups are as two optimisers. */
static void test_groups(void) {
    tg_mark m = tg_begin(tg);
    tg_tensor *p[2], *q[2];
    tg_optim *o, *one, *two;
    int i, step;
    for (i = 0; i < 2; i++) { p[i] = leaf(tg_randn(tg, TG_SHAPE(33))); q[i] = leaf(tg_clone(tg_detach(p[i]))); }
    o = tg_adam(p, 1, 0.1); CHECK(tg_optim_group(o, p + 1, 1, 0.01, .weight_decay = TG_IS(0.5), .amsgrad = true));
    one = tg_adam(q, 1, 0.1); two = tg_adam(q + 1, 1, 0.01, .weight_decay = TG_IS(0.5), .amsgrad = true);
    for (step = 0; step < 4; step++) {
        for (i = 0; i < 2; i++) { tg_tensor *g = tg_randn(tg, TG_SHAPE(33)); tg_backward(p[i], .gradient = g); tg_backward(q[i], .gradient = g); }
        CHECK(tg_step(o) && tg_step(one) && tg_step(two));
    }
    CHECK(same(p[0], q[0]) && same(p[1], q[1]));
    tg_optim_free(o); tg_optim_free(one); tg_optim_free(two);
    tg_end(tg, m);
    CHECK_OK(tg);
}

/* ---- row-sparse gradients ---- */
static tg_tensor *rows_of(const int64_t *v, int64_t n) { return tg_from(tg, 1, &n, TG_I64, v); }
static bool backward_rows(tg_tensor *p, const int64_t *rows, int64_t n, tg_tensor *weight) { return tg_backward(tg_sum(tg_mul(tg_index_select(p, 0, rows_of(rows, n)), weight))); }
static tg_tensor *instead;                                     /* what a hook gives in place of the gradient: backwards take no row-sparse one from outside */
static tg_tensor *hook(void *user, tg_tensor *g) { (void)user; (void)g; return instead; }
static bool backward_sparse(tg_tensor *p, tg_tensor *g) {
    bool ok;
    instead = g;
    ok = tg_backward(p, .gradient = tg_ones_like(p));
    instead = NULL;
    return ok;
}
static void test_sparse(tg_dtype d) {
    static const int64_t at[] = { 4, 1, 4, 2, 1, 4 };
    tg_mark m = tg_begin(tg);
    const tg_optim_rule rules[] = { TG_OPTIM_SGD, TG_OPTIM_SGD, TG_OPTIM_ADAGRAD, TG_OPTIM_SPARSE_ADAM };
    int k, step;
    for (k = 0; k < 4; k++) {
        tg_tensor *p = leaf(random_of(tg, TG_SHAPE(6, 3), d, -1, 1)), *q = leaf(tg_clone(tg_detach(p))), *w, *old;
        tg_optim_args a, b;
        tg_optim *o, *dense;
        memset(&a, 0, sizeof a);
        a.rule = rules[k]; a.lr = 0.1; a.params = &p; a.n_params = 1;
        if (k == 1) { a.momentum.is = true; a.momentum.value = 0.9; a.nesterov = true; }
        b = a; b.params = &q;
        if (b.rule == TG_OPTIM_SPARSE_ADAM) b.rule = TG_OPTIM_ADAM;
        tg_sparse_grad(p, true);
        o = tg_optim_from(&a); dense = tg_optim_from(&b);
        for (step = 0; step < 3; step++) {
            old = tg_clone(tg_detach(p));
            w = random_of(tg, TG_SHAPE(6, 3), d, -1, 1);
            CHECK(backward_rows(p, at, 6, w) && backward_rows(q, at, 6, w) && tg_is_sparse(tg_grad_of(p)) && !tg_is_sparse(tg_grad_of(q)));
            CHECK_MSG(tg_step(o) && tg_step(dense), "%s", tg_error_text(tg));
            CHECK(same(tg_select(p, 0, 0), tg_select(old, 0, 0)) && same(tg_select(p, 0, 5), tg_select(old, 0, 5)) && !same(tg_select(p, 0, 4), tg_select(old, 0, 4)));
        }
        /* the rows have a gradient at each step, so that for them it is the dense rule; adam's epsilon stands elsewhere */
        CHECK_MSG(tg_allclose(tg_detach(p), tg_detach(q), 0, d == TG_BF16 ? 0.05 : 1e-4), "rule %d, %s", k, tg_dtype_name(d));
        tg_optim_free(o); tg_optim_free(dense);
    }
    {   /* rows that are not there; decay goes over all rows; other layouts */
        static const int64_t bad[] = { 2, 7 };
        tg_tensor *p = leaf(random_of(tg, TG_SHAPE(6, 3), d, -1, 1)), *t = leaf(tg_detach(tg_t(random_of(tg, TG_SHAPE(3, 6), d, -1, 1)))), *old = tg_clone(tg_detach(p));
        tg_optim *o = tg_sgd(&p, 1, 0.1), *decays = tg_sgd(&p, 1, 0.1, .weight_decay = TG_IS(0.1)), *turned = tg_adagrad(&t, 1, 0.1), *s = tg_sparse_adam(&p, 1, 0.1);
        CHECK(tg_hook(p, hook, NULL) && tg_hook(t, hook, NULL) && backward_sparse(p, tg_sparse_new(rows_of(bad, 2), random_of(tg, TG_SHAPE(2, 3), d, -1, 1), 6)));
        REFUSED(TG_ERROR_VALUE, tg_step(o), "row 7 of a row-sparse gradient is out of range");
        REFUSED(TG_ERROR_VALUE, tg_step(s), "row 7 of a row-sparse gradient is out of range");
        REFUSED(TG_ERROR_GRAD, tg_step(decays), "weight decay goes over all rows of parameter 0");
        CHECK(same(p, old) && !s->param[0].kept[0]);
        CHECK(backward_sparse(t, tg_sparse_new(rows_of(bad, 1), random_of(tg, TG_SHAPE(1, 3), d, -1, 1), 6)));
        REFUSED(TG_ERROR_GRAD, tg_step(turned), "is not contiguous, and its gradient is row-sparse");
        tg_zero_grad(p);
        CHECK(backward_sparse(p, tg_sparse_new(rows_of(bad, 0), random_of(tg, TG_SHAPE(0, 3), d, -1, 1), 6)) && tg_step(o) && same(p, old));
        tg_optim_free(o); tg_optim_free(decays); tg_optim_free(turned); tg_optim_free(s);
    }
    tg_end(tg, m);
    CHECK_OK(tg);
}

/* ---- clipping and averages ---- */
static void test_clip(tg_dtype d) {
    static const double orders[] = { 2, 1, 3, 0.5, 0, INFINITY };
    const double tolerance = d == TG_F64 ? 1e-12 : d == TG_F32 ? 1e-5 : 1e-2;
    int k, i;
    for (k = 0; k < 6; k++) {
        tg_mark m = tg_begin(tg);
        tg_tensor *p[PARAMS + 1], *g[PARAMS];
        double want = 0, norm;
        parameters(tg, d, p);
        p[PARAMS] = leaf(tg_ones(tg, TG_SHAPE(3)));                        /* has none */
        for (i = 0; i < PARAMS; i++) {
            double *v;
            int64_t j;
            g[i] = random_of(tg, p[i]->ndim, p[i]->shape, d, -1, 1);
            if (p[i]->numel > 2 && d != TG_BF16) g[i] = tg_mul(g[i], tg_to(tg_gt(tg_abs(g[i]), tg_full_like(g[i], 0.3)), d));      /* some zeros */
            CHECK(tg_backward(p[i], .gradient = g[i]));
            v = values(g[i]);
            for (j = 0; j < g[i]->numel; j++) want = k == 5 ? fmax(want, fabs(v[j])) : want + pow(fabs(v[j]), orders[k]);
            free(v);
        }
        if (k == 4) want = PARAMS - 1;                                     /* one is empty */
        if (orders[k] > 0 && k != 5) want = pow(want, 1 / orders[k]);
        norm = tg_clip_grad_norm_(p, PARAMS + 1, want / 3, .norm_type = TG_IS(orders[k]));
        CHECK_MSG(fabs(norm - want) <= tolerance * want, "order %g, %s: %.12g, not %.12g: %s", orders[k], tg_dtype_name(d), norm, want, tg_error_text(tg));
        for (i = 0; i < PARAMS; i++) CHECK(tg_allclose(tg_grad_of(p[i]), tg_mul_scalar(g[i], 1.0 / 3), 1e-3, d == TG_F64 ? 1e-7 : tolerance));
        for (i = 0; i < PARAMS; i++) g[i] = tg_clone(tg_grad_of(p[i]));
        CHECK(tg_clip_grad_norm_(p, PARAMS + 1, want, .norm_type = TG_IS(orders[k])) > 0);      /* nothing to scale */
        for (i = 0; i < PARAMS; i++) if (k != 4) CHECK(same(tg_grad_of(p[i]), g[i]));
        CHECK(tg_clip_grad_value_(p, PARAMS + 1, 0.05));
        for (i = 0; i < PARAMS; i++) if (k != 4) CHECK(tg_allclose(tg_grad_of(p[i]), tg_clamp(g[i], -0.05, 0.05), 0, 0));
        tg_end(tg, m);
        CHECK_OK(tg);
    }
}
static void test_clip_rest(void) {
    static const int64_t at[] = { 1, 0, 1 };
    static const float want_sparse[] = { 1, 1 };
    tg_mark m = tg_begin(tg);
    tg_tensor *p = leaf(tg_ones(tg, TG_SHAPE(3, 2))), *old, *list[2], *av[2];
    double norm;
    tg_sparse_grad(p, true);
    CHECK(backward_rows(p, at, 3, tg_ones(tg, TG_SHAPE(3, 2))) && tg_is_sparse(tg_grad_of(p)));
    norm = tg_clip_grad_norm_(&p, 1, 1); CHECK_NEAR(norm, sqrt(1 + 1 + 4 + 4), 1e-6);       /* row 1 is there twice, and is one row */
    norm = tg_clip_grad_norm_(&p, 1, 10); CHECK(tg_is_sparse(tg_grad_of(p))); CHECK_NEAR(norm, 1, 1e-5);
    tg_zero_grad(p); CHECK(backward_rows(p, at, 3, tg_ones(tg, TG_SHAPE(3, 2))));
    CHECK(tg_clip_grad_value_(&p, 1, 1) && tg_is_sparse(tg_grad_of(p)));
    CHECK(same(tg_select(tg_to_dense(tg_grad_of(p)), 0, 1), tg_from_f32(tg, TG_SHAPE(2), want_sparse)));
    tg_zero_grad(p); tg_sparse_grad(p, false);
    /* what is not finite */
    tg_backward(p, .gradient = tg_full_like(p, INFINITY));
    old = tg_clone(tg_grad_of(p));
    CHECK(isnan(tg_clip_grad_norm_(&p, 1, 1, .error_if_nonfinite = true))); CHECK_ERROR(tg, TG_ERROR_NUMERIC); CHECK(same(tg_grad_of(p), old));
    CHECK(isinf(tg_clip_grad_norm_(&p, 1, 1)) && isnan(tg_item(tg_sum(tg_grad_of(p)))));
    CHECK(isnan(tg_clip_grad_norm_(&p, 1, 1, .norm_type = TG_IS(INFINITY))));
    CHECK(isnan(tg_clip_grad_norm_(&p, 1, 1, .norm_type = TG_IS(-1)))); CHECK_ERROR(tg, TG_ERROR_VALUE);
    CHECK(isnan(tg_clip_grad_norm_(&p, 1, NAN))); CHECK_ERROR(tg, TG_ERROR_VALUE);
    CHECK(!tg_clip_grad_value_(&p, 1, NAN)); CHECK_ERROR(tg, TG_ERROR_VALUE);
    CHECK(tg_clip_grad_norm_((tg_tensor *const *)NULL, 0, 1) == 0 && tg_clip_grad_value_(NULL, 0, 1));
    list[0] = p; list[1] = NULL;
    CHECK(isnan(tg_clip_grad_norm_(list, 2, 1))); CHECK_ERROR(tg, TG_ERROR_NULL);
    CHECK(!tg_clip_grad_value_(list, 2, 1)); CHECK_ERROR(tg, TG_ERROR_NULL);
    /* a later backward through a gradient that was clipped is no wrong number */
    { tg_tensor *w = leaf(tg_ones(tg, TG_SHAPE(2))), *g;
      CHECK(tg_backward(tg_sum(tg_mul(tg_square(w), w)), .create_graph = true)); g = tg_sum(tg_square(w->grad));
      CHECK(tg_clip_grad_norm_(&w, 1, 0.1) > 1); REFUSED(TG_ERROR_GRAD, tg_backward(g), "overwritten afterwards by 'clip_grad_norm'"); tg_zero_grad(w); }
    /* averages */
    list[0] = tg_detach(tg_t(tg_randn(tg, TG_SHAPE(4, 3)))); list[1] = tg_randn(tg, TG_SHAPE(9000)); av[0] = tg_clone(list[0]); av[1] = tg_zeros_like(list[1]);
    CHECK(tg_ema_(av, list, 2, 0.75));
    CHECK(tg_allclose(av[0], list[0], 1e-6, 1e-6) && tg_allclose(av[1], tg_mul_scalar(list[1], 0.25), 1e-6, 1e-6));
    REFUSED(TG_ERROR_VALUE, tg_ema_(av, list, 2, 1.5), "decay");
    REFUSED(TG_ERROR_SHAPE, tg_ema_(av, av, 1, 0.5), "shares memory");
    av[1] = av[0]; list[1] = tg_clone(list[0]);
    REFUSED(TG_ERROR_SHAPE, tg_ema_(av, list, 2, 0.5), "shares memory");
    av[1] = tg_ones(tg, TG_SHAPE(2));
    REFUSED(TG_ERROR_SHAPE, tg_ema_(av, list, 2, 0.5), "one shape and dtype");
    list[0] = tg_ones_like(p);
    REFUSED(TG_ERROR_GRAD, tg_ema_(&p, list, 1, 0.5), "is a leaf that requires a gradient");
    tg_end(tg, m);
    CHECK_OK(tg);
}

/* ---- Muon: orthogonal directions ---- */
static void test_muon(void) {
    tg_mark m = tg_begin(tg);
    const int64_t shapes[3][2] = { { 6, 10 }, { 10, 6 }, { 5, 5 } };
    int k;
    for (k = 0; k < 3; k++) {
        tg_tensor *p = leaf(random_of(tg, 2, shapes[k], TG_F64, -1, 1)), *before = tg_clone(tg_detach(p)), *g = random_of(tg, 2, shapes[k], TG_F64, -1, 1), *d, *s;
        tg_optim *o = tg_muon(&p, 1, 0.1, .weight_decay = TG_IS(0.5), .adjust_lr = k == 2 ? TG_ADJUST_MATCH_RMS_ADAMW : TG_ADJUST_ORIGINAL);
        const double rate = k == 1 ? 0.1 * sqrt(10.0 / 6) : k == 2 ? 0.1 * 0.2 * sqrt(5) : 0.1;
        tg_backward(p, .gradient = g);
        CHECK(tg_step(o));
        d = tg_div_scalar(tg_sub(tg_mul_scalar(before, 1 - 0.1 * 0.5), tg_detach(p)), rate);
        /* singular values near 1, on the gradient's side: the direction's product with it is their sum, nearly */
        s = k == 1 ? tg_matmul(tg_t(d), d) : tg_matmul(d, tg_t(d));
        CHECK_MSG(fabs(tg_item(tg_trace(s)) - (double)(k == 2 ? 5 : 6)) < 3, "trace %g", tg_item(tg_trace(s)));
        CHECK(tg_item(tg_sum(tg_mul(d, g))) > 0.8 * sqrt(tg_item(tg_sum(tg_square(g)))));
        CHECK(tg_allclose(o->param[0].kept[0], tg_mul_scalar(g, 1 - 0.95), 1e-12, 1e-12));
        tg_optim_free(o);
    }
    tg_end(tg, m);
    CHECK_OK(tg);
}

/* ---- L-BFGS ---- */
typedef struct valley { tg_tensor *x; int calls, fail_at, how; tg_optim *o; } valley;
static tg_tensor *rosenbrock(void *user) {
    valley *v = (valley *)user;
    tg_tensor *a = tg_narrow(v->x, 0, 0, v->x->shape[0] - 1), *b = tg_narrow(v->x, 0, 1, v->x->shape[0] - 1);
    tg_tensor *loss = tg_sum(tg_add(tg_mul_scalar(tg_square(tg_sub(b, tg_square(a))), 100), tg_square(tg_add_scalar(tg_neg(a), 1))));
    if (++v->calls == v->fail_at) {
        if (v->how == 0) return NULL;
        if (v->how == 1) return tg_matmul(v->x, tg_ones(v->x->tg, TG_SHAPE(3, 3)));
        if (v->how == 2) tg_optim_free(v->o); else (void)tg_step(v->o);
        return NULL;
    }
    return tg_backward(loss) ? loss : NULL;
}
static void test_lbfgs(void) {
    tg_mark m = tg_begin(tg);
    tg_tensor *x = leaf(tg_to(tg_zeros(tg, TG_SHAPE(4)), TG_F64)), *before;
    valley v;
    tg_optim *o;
    double first, last = 0;
    int i, how;
    memset(&v, 0, sizeof v);
    v.x = x;
    o = tg_lbfgs(&x, 1, 1, .strong_wolfe = true, .max_iter = 60, .max_eval = 200);
    first = tg_step_with(o, rosenbrock, &v);
    CHECK_OK(tg); CHECK_NEAR(first, 3, 1e-12);
    for (i = 0; i < 3; i++) last = tg_step_with(o, rosenbrock, &v);
    CHECK_MSG(last < 1e-10, "the valley's floor was not found: %g after %d calls", last, v.calls);
    CHECK(tg_allclose(tg_detach(x), tg_ones_like(x), 1e-4, 1e-4));
    tg_optim_free(o);
    /* a closure that fails at any of its calls leaves the parameters and what is remembered */
    for (how = 0; how < 4; how++) for (i = 1; i < 9; i++) {
        tg_tensor *y = leaf(tg_to(tg_zeros(tg, TG_SHAPE(4)), TG_F64));
        int n;
        v.x = y; v.calls = v.fail_at = 0; v.how = how;
        v.o = o = tg_lbfgs(&y, 1, 0.5, .strong_wolfe = i % 2 == 0, .max_iter = 5);
        CHECK(tg_step_with(o, rosenbrock, &v) > 0);
        before = tg_clone(tg_detach(y)); n = o->lbfgs.count;
        v.calls = 0; v.fail_at = i;
        if (isnan(tg_step_with(o, rosenbrock, &v))) {
            CHECK(tg_failed(tg)); tg_clear(tg);
            CHECK_MSG(same(y, before) && o->lbfgs.count == n, "a closure that failed at call %d", i);
        } else CHECK(v.calls < i);
        v.fail_at = 0;
        CHECK(tg_step_with(o, rosenbrock, &v) >= 0);
        tg_optim_free(o);
    }
    /* other rules with a closure, and half parameters among others */
    {
        tg_tensor *y[2];
        y[0] = leaf(tg_to(tg_ones(tg, TG_SHAPE(4)), TG_F32)); y[1] = leaf(tg_to(tg_ones(tg, TG_SHAPE(3)), TG_BF16));
        v.x = y[0]; v.calls = v.fail_at = 0;
        o = tg_sgd(y, 2, 1e-4);
        last = tg_step_with(o, rosenbrock, &v); CHECK_NEAR(last, 0, 1e-6);
        tg_fill_(tg_detach(y[0]), 0.5); last = tg_step_with(o, rosenbrock, &v);
        CHECK(tg_step_with(o, rosenbrock, &v) < last && v.calls == 3);
        tg_optim_free(o);
        o = tg_lbfgs(y, 2, 1, .max_iter = 3);
        last = tg_step_with(o, rosenbrock, &v); CHECK(tg_step_with(o, rosenbrock, &v) < last);
        tg_optim_free(o);
    }
    tg_end(tg, m);
    CHECK_OK(tg);
}

/* ---- state: a run that is stopped, saved and resumed goes on with the same bits ---- */
static void one_step(tg_optim *o, tg_tensor **p, int n, valley *v) {
    int i;
    if (o->rule == TG_OPTIM_LBFGS) { CHECK(!isnan(tg_step_with(o, rosenbrock, v))); return; }
    for (i = 0; i < n; i++) CHECK(tg_backward(p[i], .gradient = tg_randn(tg, p[i]->ndim, p[i]->shape)));
    CHECK(tg_step(o));
}
static void test_state(void) {
    static const tg_optim_args lbfgs = { .rule = TG_OPTIM_LBFGS, .lr = 0.3, .max_iter = 3, .history_size = 3 }, muon = { .rule = TG_OPTIM_MUON, .lr = 0.1 };
    int k, i, step;
    for (k = 0; k < CASES + 2; k++) {
        tg_mark m = tg_begin(tg);
        tg_optim_args a = k < CASES ? cases[k] : k == CASES ? lbfgs : muon;
        tg_tensor *p[2], *q[2], *bytes;
        tg_optim *o, *fresh;
        tg_dict *d, *back;
        tg_random_state random;
        valley v, w;
        const int n = k == CASES ? 1 : 2;
        memset(&v, 0, sizeof v);
        p[0] = leaf(k == CASES ? tg_zeros(tg, TG_SHAPE(7)) : tg_randn(tg, TG_SHAPE(7, 3))); p[1] = leaf(tg_randn(tg, TG_SHAPE(2, 3)));
        a.params = p; a.n_params = 1;
        o = tg_optim_from(&a);
        if (n == 2) { a.optim = o; a.params = p + 1; a.lr *= 2; CHECK(tg_optim_group_from(&a)); a.lr /= 2; a.params = p; }
        v.x = p[0]; w = v;
        for (step = 0; step < 3; step++) one_step(o, p, n - (step == 0 && n == 2), &v);      /* the second comes a step later */
        CHECK(tg_optim_set_lr(o, 0, a.lr * 0.7));
        d = tg_optim_state(o);
        CHECK_MSG(d != NULL, "%s", tg_error_text(tg));
        bytes = tg_safetensors_bytes(d);
        for (i = 0; i < 2; i++) q[i] = leaf(tg_clone(tg_detach(p[i])));
        random = tg_random_get(tg);
        for (step = 0; step < 3; step++) one_step(o, p, n, &v);
        /* elsewhere */
        tg_random_set(tg, random);
        a.params = q; a.optim = NULL;
        fresh = tg_optim_from(&a);
        if (n == 2) { a.optim = fresh; a.params = q + 1; CHECK(tg_optim_group_from(&a)); }
        w.x = q[0];
        back = tg_safetensors_parse(tg, bytes->data, (size_t)bytes->numel);
        { tg_mark used = tg_begin(tg); for (i = 1; i < 100; i++) (void)tg_full(tg, TG_SHAPE(8 * i), 0.1, TG_F64); tg_end(tg, used); }      /* what is used again is not zeros */
        CHECK_MSG(tg_optim_load(fresh, back), "%s", tg_error_text(tg));
        CHECK_NEAR(tg_optim_lr(fresh, 0), a.lr * 0.7, 1e-15); if (n == 2) CHECK_NEAR(tg_optim_lr(fresh, 1), a.lr * 2, 1e-15);
        for (step = 0; step < 3; step++) one_step(fresh, q, n, &w);
        for (i = 0; i < n; i++) CHECK_MSG(same(p[i], q[i]), "case %d, parameter %d: another after resuming", k, i);
        tg_dict_free(d); tg_dict_free(back); tg_optim_free(o); tg_optim_free(fresh);
        tg_end(tg, m);
        CHECK_OK(tg);
    }
    {   /* what does not fit leaves the optimiser as it was */
        tg_mark m = tg_begin(tg);
        tg_tensor *p[2], *one;
        tg_optim *o, *small;
        tg_dict *d, *e;
        p[0] = leaf(tg_randn(tg, TG_SHAPE(4))); p[1] = leaf(tg_randn(tg, TG_SHAPE(3)));
        o = tg_adam(p, 2, 0.1); small = tg_adam(p, 1, 0.1);
        one_step(o, p, 2, NULL);
        d = tg_optim_state(o); e = tg_optim_state(small);
        CHECK(tg_dict_get(d, "1.exp_avg_sq") && tg_item(tg_dict_get(d, "0.step")) == 1 && tg_item(tg_dict_get(d, "group.0.beta2")) == 0.999 && !tg_dict_get(e, "0.step"));
        REFUSED(TG_ERROR_VALUE, tg_optim_load(small, d), "and this optimiser knows");
        CHECK(small->param[0].steps == 0 && !small->param[0].kept[0]);
        CHECK(tg_dict_set(d, "1.exp_avg", tg_ones(tg, TG_SHAPE(5))));
        REFUSED(TG_ERROR_SHAPE, tg_optim_load(o, d), "the state's 1.exp_avg is f32[5]; expected numbers of shape [3]");
        CHECK(o->param[1].steps == 1 && o->param[1].kept[0]->shape[0] == 3);
        CHECK(tg_dict_set_meta(d, "optimiser", "sgd"));
        REFUSED(TG_ERROR_VALUE, tg_optim_load(o, d), "the state is sgd's");
        REFUSED(TG_ERROR_NULL, tg_optim_load(o, NULL), "no state given");
        one = tg_dict_get(d, "0.exp_avg");                                /* copies: a step later they are as they were */
        one = tg_clone(one); one_step(o, p, 2, NULL); CHECK(same(one, tg_dict_get(d, "0.exp_avg")));
        CHECK(tg_optim_load(small, e));                                    /* of one that never stepped */
        tg_dict_free(d); d = tg_optim_state(o);
        for (i = 0; i < 4; i++) {                                          /* numbers that no run can have come to */
            static const char *const names[] = { "0.step", "group.0.lr", "group.0.beta1", "skipped" };
            tg_tensor *was = tg_clone(tg_dict_get(d, names[i]));
            for (k = 0; k < 2; k++) {
                CHECK(tg_dict_set(d, names[i], tg_full(tg, TG_SCALAR, k ? NAN : -1, TG_F64)));
                REFUSED(TG_ERROR_VALUE, tg_optim_load(o, d), "");
            }
            CHECK(tg_dict_set(d, names[i], was));
        }
        CHECK(tg_dict_set(d, "0.step", tg_full(tg, TG_SCALAR, 1e300, TG_F64)));
        REFUSED(TG_ERROR_VALUE, tg_optim_load(o, d), "a count");
        CHECK(tg_dict_set(e, "0.step", tg_full(tg, TG_SCALAR, 1, TG_F64)));
        REFUSED(TG_ERROR_VALUE, tg_optim_load(small, e), "the state has no entry 0.exp_avg");
        tg_dict_free(d); tg_dict_free(e); tg_optim_free(o); tg_optim_free(small);
        valley v;
        memset(&v, 0, sizeof v);
        v.x = p[0] = leaf(tg_zeros(tg, TG_SHAPE(4)));
        o = tg_lbfgs(p, 1, 0.3, .max_iter = 3);
        CHECK(tg_step_with(o, rosenbrock, &v) > 0);
        d = tg_optim_state(o);
        CHECK(tg_dict_set(d, "lbfgs.d", tg_ones(tg, TG_SHAPE(7))));
        REFUSED(TG_ERROR_SHAPE, tg_optim_load(o, d), "the state's lbfgs.d is f32[7]; expected numbers of shape [4]");
        tg_dict_free(d); tg_optim_free(o);
        tg_end(tg, m);
        CHECK_OK(tg);
    }
}

/* ---- memory ---- */
static void test_memory(void) {
    static const tg_optim_args muon = { .rule = TG_OPTIM_MUON, .lr = 0.1 };
    int k, i;
    /* a steady loop asks the host for nothing */
    for (k = 0; k < CASES; k++) {
        tg_ctx *own = test_open();
        tg_tensor *p[PARAMS];
        tg_optim_args a = cases[k];
        tg_optim *o;
        uint64_t calls = 0;
        int step;
        parameters(own, TG_F32, p);
        a.params = p; a.n_params = PARAMS;
        o = tg_optim_from(&a);
        for (step = 0; step < 400; step++) {
            tg_mark m = tg_begin(own);
            for (i = 0; i < PARAMS; i++) tg_backward(p[i], .gradient = tg_ones_like(p[i]));
            CHECK(tg_clip_grad_norm_(p, PARAMS, 1) > 0 && tg_step(o));
            tg_end(own, m);
            if (step == 300) calls = tg_memory(own).host_calls;
        }
        CHECK_MSG(tg_memory(own).host_calls == calls, "case %d: %d calls of the allocator in a hundred steps", k, (int)(tg_memory(own).host_calls - calls));
        test_close(own);                                                   /* frees the optimiser too */
    }
    /* it fails at every allocation in turn: nothing changes, nothing leaks, and it works afterwards */
    for (k = 0; k <= CASES; k += k + 4 < CASES ? 4 : 1) {
        test_heap heap = TEST_HEAP;
        long at;
        for (at = 1; at < 400; at++) {
            tg_ctx *own = test_open_heap(&heap);
            tg_optim_args a = k < CASES ? cases[k] : muon;
            tg_tensor *p[2] = { NULL, NULL }, *before[2] = { NULL, NULL };
            tg_optim *o = NULL;
            bool ok, had = false;
            if (!own) break;
            own->config.no_cache = true;
            for (i = 0; i < 2; i++) p[i] = tg_require_grad(random_of(own, TG_SHAPE(3, 4), TG_BF16, -1, 1), true);
            a.params = p; a.n_params = 2; a.master_weights = true; a.skip_nonfinite = true;
            o = tg_optim_from(&a);
            for (i = 0; i < 2; i++) { tg_backward(p[i], .gradient = random_of(own, TG_SHAPE(3, 4), TG_BF16, -1, 1)); before[i] = tg_clone(tg_detach(p[i])); }
            heap.calls = 0; heap.fail_at = at;
            ok = tg_clip_grad_norm_(p, 2, 1) > 0 && tg_optim_step(o);
            had = heap.failures > 0;
            heap.fail_at = 0; heap.failures = 0;
            if (!ok) {
                CHECK_ERROR(own, TG_ERROR_MEMORY);
                for (i = 0; i < 2; i++) CHECK_MSG(same(p[i], before[i]) && o && !o->param[i].kept[0] && !o->param[i].kept[3] && o->param[i].steps == 0, "case %d: half a step at allocation %ld", k, at);
                CHECK(tg_optim_step(o)); CHECK_OK(own);
            }
            CHECK(!same(p[0], before[0]));
            tg_optim_free(o);
            test_close(own);
            (void)test_heap_ended(&heap);
            if (!had) break;
        }
        CHECK(at > 2 && at < 400);
    }
    {   /* making, grouping, saving and loading; L-BFGS */
        test_heap heap = TEST_HEAP;
        for (heap.fail_at = 1; ; heap.fail_at++) {
            tg_ctx *own = test_open_heap(&heap);
            if (own) {
                tg_tensor *p[2];
                valley v;
                memset(&v, 0, sizeof v);
                for (i = 0; i < 2; i++) p[i] = tg_require_grad(tg_zeros(own, TG_SHAPE(4)), true);
                if (!tg_failed(own)) {
                    tg_optim *o = tg_adam(p, 1, 0.1), *l;
                    tg_dict *d;
                    if (o) {
                        CHECK(tg_optim_group(o, p + 1, 1, 0.2) ? tg_optim_count(o) == 2 : tg_optim_count(o) == 1);
                        if (tg_backward(p[0], .gradient = p[1])) (void)tg_step(o);
                        d = tg_optim_state(o);
                        if (d && !tg_optim_load(o, d)) CHECK(tg_failed(own));
                        tg_dict_free(d);
                    }
                    tg_optim_free(o);
                    v.x = p[0];
                    l = tg_lbfgs(p, 1, 1, .strong_wolfe = true, .max_iter = 3);
                    if (l && isnan(tg_step_with(l, rosenbrock, &v))) CHECK(tg_error(own) == TG_ERROR_MEMORY && ((float *)p[0]->data)[0] == 0 && l->lbfgs.count == 0);
                    tg_optim_free(l);
                }
                if (tg_failed(own)) CHECK_ERROR(own, TG_ERROR_MEMORY);
            }
            test_close(own);
            if (!test_heap_ended(&heap)) break;
        }
    }
}

/* Schedules: the goldens compare the rates; here what they make of nonsense, and long runs. */
static void test_schedules(void) {
    static const int64_t at[] = { 2, 5 };
    tg_plateau p;
    int i;
    double lr = 1;
    CHECK_NEAR(tg_step_lr(1, 7, 3, 0.1), 0.01, 1e-15); CHECK(isnan(tg_step_lr(1, 7, 0, 0.1)));
    CHECK_NEAR(tg_multi_step_lr(1, 5, 2, at, 0.5), 0.25, 0); CHECK_NEAR(tg_multi_step_lr(1, 5, 0, NULL, 0.5), 1, 0);
    CHECK_NEAR(tg_linear_lr(1, 1, 0.1, 1, 0), 0.1, 0); CHECK_NEAR(tg_constant_lr(1, 7, 0.25, 0), 0.25, 0); CHECK_NEAR(tg_polynomial_lr(1, 9, 5, 0), 1, 0);
    CHECK(isnan(tg_linear_lr(1, 1, 0.1, 1, -1)) && isnan(tg_polynomial_lr(1, 1, 0, 1)) && isnan(tg_cosine_annealing_lr(1, 1, 0, 0)) && isnan(tg_cosine_annealing_warm_restarts(1, 1, 3, 0, 0)));
    CHECK_NEAR(tg_polynomial_lr(1, 9, 5, 2), 0, 0); CHECK_NEAR(tg_linear_lr(1, 9, 0.1, 0.7, 5), 0.7, 1e-15);
    for (i = 0; i <= 1000; i++) CHECK_NEAR(tg_cosine_annealing_lr(1, i, 333, 0), (1 + cos(i * 3.14159265358979323846 / 333)) / 2, 1e-14);
    CHECK_NEAR(tg_cosine_annealing_warm_restarts(1, INT64_MAX / 2, 1, 2, 0) >= 0, 1, 0);
    CHECK(isnan(tg_one_cycle_lr(1, 11, 10)) && isnan(tg_one_cycle_lr(1, -1, 10)) && isnan(tg_one_cycle_lr(1, 0, 0)) && isnan(tg_cyclic_lr(0, 1, -1)));
    CHECK_NEAR(tg_one_cycle_lr(1, 0, 10), 0.04, 1e-15); CHECK_NEAR(tg_one_cycle_momentum(1, 0, 10), 0.95, 1e-15); CHECK_NEAR(tg_cyclic_lr(0, 1, 2000), 1, 1e-15);
    CHECK_NEAR(tg_exponential_lr(1, 1000000, 0.99999), exp(1e6 * log(0.99999)), 1e-10);
    memset(&p, 0, sizeof p);
    for (i = 0; i < 30; i++) lr = tg_reduce_lr_on_plateau(&p, lr, 1);
    CHECK_NEAR(lr, 0.01, 1e-15); CHECK_NEAR(tg_reduce_lr_on_plateau(NULL, 0.3, 1), 0.3, 0);
    memset(&p, 0, sizeof p);
    (void)tg_reduce_lr_on_plateau(&p, 1, NAN); (void)tg_reduce_lr_on_plateau(&p, 1, 0.5);
    CHECK_NEAR(p.best, 0.5, 0);                                            /* a NaN at first is not the best for ever */
}

/* A parameter that is listed twice is scaled twice, as in torch, and not by two threads at once. */
static void test_clip_twice(void) {
    int k;
    CHECK(tg_threads(tg, 2));
    for (k = 0; k < 60; k++) {
        const tg_mark m = tg_begin(tg);
        tg_tensor *p[2], *g;
        double norm;
        p[0] = p[1] = tg_require_grad(tg_ones(tg, TG_SHAPE(64000)), true);
        CHECK(tg_backward(tg_sum(tg_mul_scalar(p[0], 4))));
        norm = tg_clip_grad_norm_(p, 2, 1);
        g = tg_grad_of(p[0]);
        if (!CHECK_MSG(tg_item(tg_max(g)) < 4 / norm / norm * 1.001 && tg_item(tg_min(g)) > 4 / norm / norm * 0.999, "some are scaled once")) k = 60;
        tg_end(tg, m);
    }
    CHECK(tg_threads(tg, 0));
    CHECK_OK(tg);
}
/* Parameters of halves that are kept in f32 too: what somebody else writes to them counts at the next step, and only where it was written; an optimiser's state that
   comes before the weights keeps what the weights round away. */
static void test_master_written(void) {
    int k;
    for (k = 0; k < 2; k++) {
        const tg_dtype d = k ? TG_F16 : TG_BF16;
        tg_tensor *p = tg_require_grad(tg_full(tg, TG_SHAPE(4), 1, d), true), *g = tg_full(tg, TG_SHAPE(4), 1, d), *master, *was;
        tg_optim *o = tg_sgd(&p, 1, 1e-4, .master_weights = true), *next;
        tg_dict *state;
        bool mode;
        int i;
        for (i = 0; i < 20; i++) {
            const tg_mark m = tg_begin(tg);
            CHECK(tg_backward(p, .gradient = g));
            mode = tg_grad_mode(tg, false);
            if (i >= 5 && i < 10) CHECK(tg_fill_(tg_narrow(p, 0, 0, 1), 64));
            tg_end(tg, m);
            if (i == 12) CHECK(tg_copy_(p, tg_clone(p)));                     /* the same numbers: nothing was written */
            if (i == 15) CHECK(tg_swap(p, tg_full(tg, TG_SHAPE(4), 1, d)));   /* of other numbers 1 counts, of its own what rounds to it */
            (void)tg_grad_mode(tg, mode);
            CHECK(tg_step(o));
        }
        master = o->param[0].kept[TG__KEPT_MASTER];
        CHECK_MSG(fabs(tg_item(tg_select(master, 0, 0)) - (1 - 5 * 1e-4)) < 1e-6 || k, "%s: %.9g", tg_dtype_name(d), tg_item(tg_select(master, 0, 0)));
        CHECK_MSG(fabs(tg_item(tg_select(master, 0, 1)) - (1 - 20 * 1e-4)) < 1e-6 || k, "%s: %.9g", tg_dtype_name(d), tg_item(tg_select(master, 0, 1)));
        CHECK(tg_equal(tg_to(master, d), p));
        /* a run that goes on: state, then weights */
        state = tg_optim_state(o); was = tg_clone(master);
        next = tg_sgd(&p, 1, 1e-4, .master_weights = true);
        CHECK(tg_optim_load(next, state));
        mode = tg_grad_mode(tg, false);
        CHECK(tg_copy_(p, tg_clone(p)));
        (void)tg_grad_mode(tg, mode);
        CHECK(tg_backward(p, .gradient = g) && tg_step(next));
        CHECK(tg_allclose(next->param[0].kept[TG__KEPT_MASTER], tg_sub(was, tg_number(tg, 1e-4)), 0, 1e-7) && !tg_equal(next->param[0].kept[TG__KEPT_MASTER], was));
        tg_dict_free(state);
        tg_optim_free(o); tg_optim_free(next);
    }
    CHECK_OK(tg);
}
int main(void) {
    tg = test_open();
    if (!tg) return test_end("optim");
    test_rules(TG_F32, false); test_rules(TG_F64, false); test_rules(TG_BF16, false); test_rules(TG_F16, false); test_rules(TG_BF16, true); test_rules(TG_F16, true);
    test_whole();
    test_mistakes();
    test_groups();
    test_sparse(TG_F32); test_sparse(TG_F64); test_sparse(TG_BF16);
    test_clip(TG_F32); test_clip(TG_F64); test_clip(TG_BF16);
    test_clip_rest();
    test_clip_twice();
    test_master_written();
    test_muon();
    test_lbfgs();
    test_state();
    test_schedules();
    test_close(tg);
    test_bits();
    test_memory();
    return test_end("optim");
}
