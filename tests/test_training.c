/* Training of every model of examples/models: wherever memory runs out in a step nothing is lost and the step can be made again; the same bits with any number of threads.
   run.sh flags: -lm */
#include "test.h"
#include "small_models.h"

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

int main(void) {
    for (int i = 0; i < SMALL_MODELS; i++) check_memory(&small_models[i]);
    for (int i = 0; i < SMALL_MODELS; i++) check_threads(i);
    return test_end("training");
}
