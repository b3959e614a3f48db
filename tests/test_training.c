/* Training of every model of examples/models, and of every layer: wherever memory runs out in a step nothing is lost and the step can be made again; the same bits with any number of threads.
   And the mistakes of those who build and train, a row for each: a clear error, and nothing is lost.
   run.sh flags: -lm */
#include "test.h"
#include <math.h>
#include "small_models.h"
#include "nn_list.h"

/* A step in a scope of its own: forwards, back, clipped, and the parameters. */
static bool step_of(const struct small_model *k, tg_module *m, tg_optim *opt, int64_t s) {
    tg_mark scope = tg_begin(m->tg);
    bool ok = tg_backward(k->loss(m, s)) && tg_step(opt);
    tg_end(m->tg, scope);
    return ok;
}
static tg_dict *copy_of(tg_ctx *tg, tg_module *m) {
    tg_dict *d = tg_state_dict(m), *copy = tg_dict_new(tg);
    for (int64_t i = 0; i < tg_dict_count(d); i++) CHECK(tg_dict_set(copy, tg_dict_name(d, i), tg_clone(tg_detach(tg_dict_at(d, i)))));
    tg_dict_free(d);
    return copy;
}
static uint64_t hash_parameters(tg_module *m) {
    tg_tensor *list[256];
    const int64_t n = tg_parameters(m, list, 256);
    uint64_t hash = 0;
    CHECK(n <= 256);
    for (int64_t i = 0; i < n && i < 256; i++) hash = test_hash(hash, list[i]->data, tg_dtype_bytes(list[i]->dtype, list[i]->numel));
    return hash;
}

/* A step in which allocation `at` fails, 0: none; and, where it failed, once more with memory. Returns whether it failed. The model is as before whenever a try begins. */
static bool try_step(const struct small_model *k, tg_ctx *tg, tg_module *m, const tg_dict *start, tg_random_state random, test_heap *heap, long at, uint64_t want) {
    const uint64_t before = hash_parameters(m);
    tg_optim *opt = tg_optim_adamw(m, 0.01);
    bool ok;
    heap->failures = 0;
    heap->fail_at = at ? heap->calls + at : 0;
    ok = step_of(k, m, opt, 1);
    heap->fail_at = 0;
    if (!at) CHECK_MSG(ok, "%s: %s", k->name, tg_error_text(tg));
    if (!ok) {
        CHECK_MSG(tg_error(tg) == TG_ERROR_MEMORY, "%s, allocation %ld: %s", k->name, at, tg_error_text(tg));
        tg_clear(tg);
        CHECK_MSG(hash_parameters(m) == before, "%s, allocation %ld: half a step", k->name, at);
        CHECK(tg_module_zero_grad(m) && tg_load_state_dict(m, start, NULL));       /* running statistics follow each pass, torch's too */
        tg_random_set(tg, random);
        CHECK_MSG(step_of(k, m, opt, 1), "%s, after allocation %ld: %s", k->name, at, tg_error_text(tg));
    }
    if (want) CHECK_MSG(test_hash_weights(m) == want, "%s, allocation %ld: other bits", k->name, at);
    tg_optim_free(opt);
    return heap->failures > 0;
}
static void check_memory(const struct small_model *k) {
    test_heap heap = TEST_HEAP;
    tg_config config = test_config(&heap);
    const int every = test_all() ? 1 : 11;                                          /* and the first one of each model is another */
    tg_ctx *tg;
    tg_module *m;
    tg_dict *start;
    tg_random_state random;
    uint64_t want = 0;
    size_t bytes = 0;
    long at, tries = 0;
    int round;
    bool failed;
    config.no_cache = true;                                                         /* or most blocks would be others over again */
    tg = tg_open(&config);
    m = k->make(tg, 1);
    start = copy_of(tg, m);
    random = tg_random_get(tg);
    (void)try_step(k, tg, m, start, random, &heap, 0, 0);
    want = test_hash_weights(m);
    /* Several rounds: what failed steps leave in the context's own lists it has after the first ones, and what they lose adds up. */
    for (round = 0; round < 3; round++)
        for (at = 1 + (long)((size_t)(k - small_models) % (size_t)every); ; at += every, tries++) {
            CHECK(tg_load_state_dict(m, start, NULL));
            tg_random_set(tg, random);
            failed = try_step(k, tg, m, start, random, &heap, at, want);
            if (round == 2) CHECK_MSG(heap.bytes <= bytes, "%s, allocation %ld: %ld bytes more", k->name, at, (long)(heap.bytes - bytes));
            else if (heap.bytes > bytes) bytes = heap.bytes;
            if (!failed) break;
        }
    CHECK_MSG(tries * every > 200, "%s: only %ld allocations", k->name, tries * every);
    tg_dict_free(start);
    tg_module_free(m);
    tg_close(tg);
    (void)test_heap_ended(&heap);
}

/* Every layer, forwards and back, with each allocation failing; then its gradients are those that it has when nothing fails. */
static bool pass_of(const nn_case_t *c, tg_ctx *tg, tg_tensor **x, int n, uint64_t *bits) {
    tg_mark scope = tg_begin(tg);
    tg_tensor *y[NN_RESULTS], *list[16];
    const int64_t parameters = tg_parameters(c->m, list, 16);
    bool ok = nn_call(c, c->m, x, n, y) > 0 && y[0] && (!y[0]->requires_grad || tg_backward(tg_sum(tg_square(y[0]))));
    *bits = 0;
    for (int i = -1; ok && i < n + parameters && i < n + 16; i++) {
        tg_tensor *t = i < 0 ? y[0] : i < n ? x[i] : list[i - n];
        if (i >= 0 && !(t && tg_has_grad(t))) continue;
        t = tg_contiguous(tg_detach(i < 0 ? t : tg_grad_of(t)));
        ok = t != NULL;
        if (ok) *bits = test_hash(*bits, t->data, tg_dtype_bytes(t->dtype, t->numel));
    }
    for (int i = 0; i < n; i++) if (x[i]) tg_zero_grad(x[i]);
    tg_end(tg, scope);
    return ok;
}
static void check_layer(tg_ctx *tg, const nn_case_t *c, test_heap *heap) {
    tg_tensor *x[NN_OPERANDS];
    const int n = nn_operands(tg, c, x), every = test_all() ? 1 : 5;
    tg_dict *start = copy_of(tg, c->m);
    const tg_random_state random = tg_random_get(tg);
    uint64_t want = 0, got;
    CHECK_MSG(pass_of(c, tg, x, n, &want), "%s: %s", c->made, tg_error_text(tg));
    for (long at = 1; ; at += every) {
        bool failed;
        CHECK(tg_module_zero_grad(c->m) && tg_load_state_dict(c->m, start, NULL));
        tg_random_set(tg, random);
        heap->failures = 0; heap->fail_at = heap->calls + at;
        failed = !pass_of(c, tg, x, n, &got);
        heap->fail_at = 0;
        if (failed) {
            CHECK_MSG(tg_error(tg) == TG_ERROR_MEMORY, "%s, allocation %ld: %s", c->made, at, tg_error_text(tg));
            tg_clear(tg);
            for (int i = 0; i < n; i++) if (x[i]) tg_zero_grad(x[i]);
            CHECK(tg_module_zero_grad(c->m) && tg_load_state_dict(c->m, start, NULL));
            tg_random_set(tg, random);
            CHECK_MSG(pass_of(c, tg, x, n, &got), "%s, after allocation %ld: %s", c->made, at, tg_error_text(tg));
        }
        CHECK_MSG(got == want, "%s, allocation %ld: other bits", c->made, at);
        if (!heap->failures) break;
    }
    tg_dict_free(start);
}
static void check_layers(void) {
    nn_case_t c;
    for (int i = 0, more = 1; more; i++) {
        test_heap heap = TEST_HEAP;
        tg_config config = test_config(&heap);
        tg_ctx *tg;
        config.no_cache = true;
        tg = tg_open(&config);
        more = nn_case(tg, i, &c);
        if (more) check_layer(tg, &c, &heap);
        tg_close(tg);
        (void)test_heap_ended(&heap);
    }
}

/* Three steps with another rule for each model, by so many threads. */
static tg_optim *some_rule(tg_module *m, int i) {
    switch (i % 5) {
    case 0: return tg_optim_sgd(m, 0.05, .momentum = TG_IS(0.9), .nesterov = true);
    case 1: return tg_optim_adam(m, 0.01, .amsgrad = true);
    case 2: return tg_optim_rmsprop(m, 0.01);
    case 3: return tg_optim_lion(m, 0.001, .weight_decay = TG_IS(0.1));
    default: return tg_optim_adamw(m, 0.01);
    }
}
static long shared_out;                                                             /* jobs that fell into more than one piece */
static void pieces(void *user, int64_t count, void (*body)(void *arg, int64_t i), void *arg) {
    (void)user;
    if (count > 1) shared_out++;
    for (int64_t i = count; i-- > 0; ) body(arg, i);
}
static void check_threads(int i) {
    const struct small_model *k = &small_models[i];
    const int64_t s = 4;
    uint64_t want = 0;
    for (int threads = 0; threads <= 4; threads++) {                                /* 0: by a host's jobs, and backwards */
        tg_config config = test_config(NULL);
        tg_ctx *tg;
        tg_module *m;
        tg_optim *opt;
        uint64_t got;
        config.threads = threads;
        if (!threads) { config.hooks.parallel_for = pieces; config.hooks.jobs_width = 4; shared_out = 0; }
        tg = tg_open(&config);
        m = k->make(tg, s);
        opt = some_rule(m, i);
        for (int step = 0; step < 3; step++) CHECK_MSG(step_of(k, m, opt, s), "%s: %s", k->name, tg_error_text(tg));
        got = test_hash_weights(m);
        if (!threads) { want = got; CHECK_MSG(shared_out > 3, "%s is too small to be shared out", k->name); }
        CHECK_MSG(got == want, "%s: other bits with %d threads", k->name, threads);
        tg_close(tg);
    }
}

/* ---- mistakes of those who build and train models ---- */

/* What is at hand: a small picture classifier with a text beside it, its optimiser, a batch. */
typedef struct studio { tg_ctx *tg; tg_module *net, *words; tg_optim *opt; tg_tensor *x, *y, *ids; tg_dict *state; } studio;
typedef struct mistake { const char *made, *says; tg_error_code code; bool done; } mistake;

static tg_tensor *studio_loss(studio *s, tg_tensor *x, tg_tensor *y) { return tg_cross_entropy(tg_forward(s->net, x), y); }
static bool load_without(studio *s, const char *name, const char *other, tg_tensor *t) {
    tg_dict *d = tg_dict_new(s->tg);
    bool ok;
    for (int64_t i = 0; i < tg_dict_count(s->state); i++) if (strcmp(tg_dict_name(s->state, i), name) != 0) tg_dict_set(d, tg_dict_name(s->state, i), tg_dict_at(s->state, i));
    if (t) tg_dict_set(d, other, t);
    ok = tg_load_state_dict(s->net, d, NULL);
    tg_dict_free(d);
    return ok;
}
static bool load_bytes(studio *s, const char *bytes) {
    FILE *f = fopen("test_training.tmp", "wb");
    bool ok;
    if (f) { (void)fputs(bytes, f); (void)fclose(f); }
    ok = tg_load(s->net, "test_training.tmp", NULL);
    (void)remove("test_training.tmp");
    return ok;
}
static tg_tensor *ones(studio *s, int n, const int64_t *shape) { return tg_ones(s->tg, n, shape); }
static tg_tensor *labels(studio *s, int64_t value) { return tg_full(s->tg, TG_SHAPE(4), (double)value, TG_I64); }
static bool not_finite(studio *s) {
    tg_tensor *list[16];
    int n = (int)tg_parameters(s->net, list, 16);
    return tg_backward(studio_loss(s, tg_full(s->tg, TG_SHAPE(4, 3, 8, 8), NAN, TG_F32), s->y)) && tg_clip_grad_norm_(list, n, 1, .error_if_nonfinite = true) >= 0;
}
static bool second_backward(studio *s) { tg_tensor *loss = studio_loss(s, s->x, s->y); return tg_backward(loss) && tg_backward(loss); }
static tg_data *dataset(studio *s, tg_tensor *x, tg_tensor *y, int64_t batch) {
    tg_tensor *rows[2] = { x, y };
    (void)s;
    return tg_data_new(rows, 2, batch);
}

static bool batch_of(tg_data *d) {
    tg_tensor *x, *y;
    bool ok = tg_batch(d, 0, &x, &y);
    tg_data_free(d);
    return ok;
}

/* Row i is made; false behind the last. */
static bool make_mistake(studio *s, int i, mistake *m) {
    tg_ctx *tg = s->tg;
    int row = 0;
#define MISTAKE(code_, says_, ...) if (row++ == i) { m->made = #__VA_ARGS__; m->says = says_; m->code = TG_ERROR_##code_; m->done = (__VA_ARGS__) ? true : false; return true; }
    /* operands of a model */
    MISTAKE(SHAPE, "0: conv2d: ", tg_forward(s->net, ones(s, TG_SHAPE(4, 5, 8, 8))))
    MISTAKE(SHAPE, "0: conv2d: ", tg_forward(s->net, ones(s, TG_SHAPE(4, 3))))
    MISTAKE(SHAPE, "5: linear: ", tg_forward(s->net, ones(s, TG_SHAPE(4, 3, 12, 8))))
    MISTAKE(DTYPE, "0: conv2d: ", tg_forward(s->net, tg_to(s->x, TG_F64)))
    MISTAKE(NULL, "forward", tg_forward(s->net, NULL))
    MISTAKE(VALUE, "takes one operand, got 2", tg_forward_with(s->net, s->x, s->x))
    MISTAKE(VALUE, "embedding: ", tg_forward(s->words, tg_full(tg, TG_SHAPE(2), 7, TG_I64)))
    MISTAKE(VALUE, "embedding: ", tg_forward(s->words, tg_full(tg, TG_SHAPE(2), -1, TG_I64)))
    MISTAKE(DTYPE, "embedding: ", tg_forward(s->words, ones(s, TG_SHAPE(2))))
    MISTAKE(VALUE, "batch_norm: ", tg_forward(tg_module_at(s->net, "1"), ones(s, TG_SHAPE(1, 4, 1, 1))))
    /* labels and losses */
    MISTAKE(VALUE, "class 10", tg_backward(studio_loss(s, s->x, labels(s, 10))))
    MISTAKE(VALUE, "class -1", tg_backward(studio_loss(s, s->x, labels(s, -1))))
    MISTAKE(SHAPE, "cross_entropy: ", tg_backward(studio_loss(s, s->x, tg_narrow(s->y, 0, 0, 3))))
    MISTAKE(DTYPE, "cross_entropy: ", tg_backward(studio_loss(s, s->x, tg_to(s->y, TG_F32))))
    MISTAKE(GRAD, "has more than one element", tg_backward(tg_forward(s->net, s->x)))
    MISTAKE(GRAD, "does not require a gradient", tg_backward(s->x))
    MISTAKE(GRAD, "was already used", second_backward(s))
    MISTAKE(NUMERIC, "the norm of the gradients is", not_finite(s))
    /* weights */
    MISTAKE(VALUE, "missing: 5.bias", load_without(s, "5.bias", NULL, NULL))
    MISTAKE(VALUE, "unexpected: 6.bias", load_without(s, "", "6.bias", ones(s, TG_SHAPE(3))))
    MISTAKE(VALUE, "5.weight is [10, 16] in the model, [16, 10] in the file", load_without(s, "5.weight", "5.weight", ones(s, TG_SHAPE(16, 10))))
    MISTAKE(FILE, "no/such/file", tg_load(s->net, "no/such/file", NULL))
    MISTAKE(FORMAT, "", load_bytes(s, "this is no safetensors file, it only has its name"))
    MISTAKE(FORMAT, "", load_bytes(s, ""))
    MISTAKE(SHAPE, "module_set: 5.bias is f32[10], got f32[4]", tg_module_set(s->net, "5.bias", ones(s, TG_SHAPE(4))))
    MISTAKE(VALUE, "has no parameter or buffer 5.wait", tg_module_set(s->net, "5.wait", ones(s, TG_SHAPE(4))))
    MISTAKE(DTYPE, "", tg_module_to(s->net, TG_I32))
    MISTAKE(UNSUPPORTED, "", tg_module_to_device(s->net, TG_CUDA))
    /* layers that cannot be */
    MISTAKE(VALUE, "sizes must be positive, got -1", tg_nn_linear(tg, 3, -1))
    MISTAKE(VALUE, "3 and 4 channels do not fall into 2 groups", tg_nn_conv2d(tg, 3, 4, 3, .groups = 2))
    MISTAKE(VALUE, "the kernel's size must be positive, got 0", tg_nn_conv2d(tg, 3, 4, 0))
    MISTAKE(VALUE, "the window's size must be positive, got -2", tg_nn_max_pool2d(tg, -2))
    MISTAKE(VALUE, "does not fall into 3 heads", tg_nn_transformer(tg, 8, 3))
    MISTAKE(VALUE, "", tg_nn_group_norm(tg, 3, 8))
    MISTAKE(VALUE, "got 1.5", tg_nn_dropout(tg, 1.5))
    MISTAKE(VALUE, "got -0.1", tg_nn_alpha_dropout(tg, -0.1))
    MISTAKE(VALUE, "", tg_nn_embedding(tg, 5, 3, .padding_idx = TG_IS(5)))
    MISTAKE(VALUE, "", tg_nn_batch_norm2d(tg, 0))
    MISTAKE(VALUE, "", tg_nn_lstm(tg, 3, 4, .proj_size = 4))
    MISTAKE(NULL, "part 1 of Sequential is NULL", tg_nn_sequential(tg, tg_nn_relu(tg), NULL))
    MISTAKE(VALUE, "sizes must be positive, got -4", tg_nn_sequential(tg, tg_nn_linear(tg, 4, 4), tg_nn_linear(tg, -4, 4), tg_nn_relu(tg)))
    /* optimisers */
    MISTAKE(VALUE, "lr", tg_optim_adamw(s->net, -1))
    MISTAKE(VALUE, "momentum", tg_optim_adam(s->net, 0.1, .momentum = TG_IS(0.9)))
    MISTAKE(VALUE, "beta1: expected 0 to 1, without 1, got 1.5", tg_optim_adam(s->net, 0.1, .betas = { TG_IS(1.5) }))
    MISTAKE(VALUE, "ReLU has no parameter that requires a gradient", tg_optim_sgd(tg_module_at(s->net, "2"), 0.1))
    MISTAKE(VALUE, "", tg_optim_set(s->opt, 0, "speed", 3))
    /* data */
    MISTAKE(VALUE, "the dataset has no batch: 0 rows", batch_of(dataset(s, tg_narrow(s->x, 0, 0, 0), tg_narrow(s->y, 0, 0, 0), 4)))
    MISTAKE(SHAPE, "", dataset(s, s->x, tg_narrow(s->y, 0, 0, 3), 4))
    MISTAKE(VALUE, "", dataset(s, s->x, s->y, 0))
    MISTAKE(NULL, "", dataset(s, s->x, NULL, 4))
#undef MISTAKE
    return false;
}
static studio studio_new(tg_ctx *tg) {
    studio s;
    memset(&s, 0, sizeof s);
    s.tg = tg;
    s.net = tg_nn_sequential(tg, tg_nn_conv2d(tg, 3, 4, 3, .padding = {1, 1}, .stride = {2, 2}), tg_nn_batch_norm2d(tg, 4), tg_nn_relu(tg), tg_nn_max_pool2d(tg, 2), tg_nn_flatten(tg), tg_nn_linear(tg, 16, 10));
    s.words = tg_nn_embedding(tg, 7, 3);
    s.opt = tg_optim_adamw(s.net, 0.01);
    s.x = tg_randn(tg, TG_SHAPE(4, 3, 8, 8)); s.y = tg_randint(tg, 0, 10, TG_SHAPE(4));
    s.state = copy_of(tg, s.net);
    return s;
}
static bool studio_step(studio *s) {
    tg_mark scope = tg_begin(s->tg);
    bool ok = tg_backward(studio_loss(s, s->x, s->y)) && tg_step(s->opt);
    tg_end(s->tg, scope);
    return ok;
}
/* After each mistake weights, optimiser and memory are as before it, and the next step is what it would have been. */
static void check_mistakes(void) {
    test_heap heap = TEST_HEAP;
    tg_config config = test_config(&heap);
    mistake k;
    studio s;
    tg_ctx *tg;
    uint64_t want;
    size_t bytes = 0;
    config.no_cache = true;
    tg = tg_open(&config);
    s = studio_new(tg);
    CHECK(studio_step(&s));
    want = test_hash_weights(s.net);
    for (int round = 0; round < 3; round++) for (int i = 0; ; i++) {
        tg_mark scope = tg_begin(tg);
        uint64_t before;
        bool more;
        tg_optim_free(s.opt);
        CHECK(tg_load_state_dict(s.net, s.state, NULL) && (s.opt = tg_optim_adamw(s.net, 0.01)) != NULL);
        before = hash_parameters(s.net);
        more = make_mistake(&s, i, &k);
        if (more) {
            CHECK_MSG(!k.done && tg_error(tg) == k.code && strstr(tg_error_text(tg), k.says), "%s: %s, error %d, want %d with '%s': %s", k.made, k.done ? "done" : "refused", (int)tg_error(tg), (int)k.code, k.says, tg_error_text(tg));
            tg_clear(tg);
        }
        tg_end(tg, scope);
        if (!more) break;
        CHECK_MSG(hash_parameters(s.net) == before, "%s: weights have changed", k.made);
        CHECK(tg_module_zero_grad(s.net));
        if (round == 2) CHECK_MSG(heap.bytes <= bytes, "%s: %ld bytes more", k.made, (long)(heap.bytes - bytes));
        else if (heap.bytes > bytes) bytes = heap.bytes;
        CHECK(tg_load_state_dict(s.net, s.state, NULL));                            /* running statistics follow each pass */
        CHECK_MSG(studio_step(&s) && test_hash_weights(s.net) == want, "after %s the next step is another: %s", k.made, tg_error_text(tg));
    }
    /* A loss that is no number, in a step that may be left out: counted, and nothing has changed. */
    tg_optim_free(s.opt);
    CHECK(tg_load_state_dict(s.net, s.state, NULL) && (s.opt = tg_optim_adamw(s.net, 0.01, .skip_nonfinite = true)) != NULL);
    { tg_mark scope = tg_begin(tg); want = hash_parameters(s.net); CHECK(tg_backward(studio_loss(&s, tg_full(tg, TG_SHAPE(4, 3, 8, 8), NAN, TG_F32), s.y)) && tg_step(s.opt)); tg_end(tg, scope); }
    CHECK(tg_optim_skipped(s.opt) == 1 && hash_parameters(s.net) == want);
    tg_dict_free(s.state);
    tg_close(tg);
    (void)test_heap_ended(&heap);
}

int main(void) {
    check_mistakes();
    check_layers();
    for (int i = 0; i < SMALL_MODELS; i++) check_memory(&small_models[i]);
    for (int i = 0; i < SMALL_MODELS; i++) check_threads(i);
    return test_end("training");
}
