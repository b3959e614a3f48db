/* One set of weights for many contexts at once, each with a thread of its own: every model of examples gives the bits that it gives alone, whoever closes first; and a set
   that is replaced under load is never read by halves. tests/sanitize.sh runs this under the thread sanitizer.
   run.sh flags: -lm -lpthread */
#include "test.h"

#if defined(__unix__) || defined(__APPLE__)
#include "small_models.h"
#include <pthread.h>

enum { READERS = 4, S = 2 };

/* ---- shared ---- */
static size_t packed;                                            /* bytes of panels, in all readers */
typedef struct table { pthread_mutex_t lock; pthread_cond_t changed; tg_module *net; const struct small_model *of; int taken; bool gone; uint64_t want; } table;
typedef struct reader { table *t; pthread_t thread; uint64_t got[3]; size_t packed; bool shared, frozen, packs; char text[200]; } reader;

/* The loss on operands that the seed decides, as bits */
static uint64_t loss_bits(const struct small_model *k, tg_module *m) {
    tg_mark scope = tg_begin(m->tg);
    bool was = tg_grad_mode(m->tg, false);
    float loss = -1;
    tg_seed(m->tg, 7);
    (void)tg_read_f32(tg_reshape(k->loss(m, S), TG_SHAPE(1)), &loss, 1);
    tg_grad_mode(m->tg, was);
    tg_end(m->tg, scope);
    return test_hash(0, &loss, sizeof loss);
}
static void *read_shared(void *arg) {
    reader *r = (reader *)arg;
    table *t = r->t;
    tg_config config = test_config(NULL);
    tg_ctx *tg = tg_open(&config);
    tg_module *m;
    tg_tensor *w[1] = { NULL };
    (void)pthread_mutex_lock(&t->lock);                          /* nobody else uses the context of t->net */
    m = tg_module_share(tg, t->net);
    (void)tg_parameters(m, w, 1);
    r->frozen = !tg_fill_(tg_detach(w[0]), 3) && tg_error(tg) == TG_ERROR_FROZEN;
    tg_clear(tg);
    if (r->packs) { tg_freeze(m, true); tg_keep_packed(m, true); }       /* panels are this context's own */
    t->taken++;
    (void)pthread_cond_broadcast(&t->changed);
    while (!t->gone) (void)pthread_cond_wait(&t->changed, &t->lock);
    (void)pthread_mutex_unlock(&t->lock);
    if (m) {
        r->shared = true;
        for (int i = 0; i < 3; i++) r->got[i] = loss_bits(t->of, m);
        r->packed = tg_memory(tg).packed;
        if (tg_failed(tg)) (void)snprintf(r->text, sizeof r->text, "%s", tg_error_text(tg));
    }
    tg_close(tg);
    return NULL;
}
static void check_shared(const struct small_model *k) {
    static reader r[READERS];
    table t;
    test_heap heap = TEST_HEAP;
    tg_config config = test_config(&heap);
    tg_ctx *tg = tg_open(&config);
    memset(r, 0, sizeof r);
    memset(&t, 0, sizeof t);
    (void)pthread_mutex_init(&t.lock, NULL);
    (void)pthread_cond_init(&t.changed, NULL);
    t.of = k; t.net = k->make(tg, S);
    tg_train(t.net, false);
    t.want = loss_bits(k, t.net);
    for (int i = 0; i < READERS; i++) { r[i].t = &t; r[i].packs = i % 2; CHECK(pthread_create(&r[i].thread, NULL, read_shared, &r[i]) == 0); }
    (void)pthread_mutex_lock(&t.lock);
    while (t.taken < READERS) (void)pthread_cond_wait(&t.changed, &t.lock);
    CHECK_MSG(loss_bits(k, t.net) == t.want, "%s: other bits where it was made", k->name);
    tg_close(tg);                                                /* the numbers outlive their context */
    t.gone = true;
    (void)pthread_cond_broadcast(&t.changed);
    (void)pthread_mutex_unlock(&t.lock);
    for (int i = 0; i < READERS; i++) {
        (void)pthread_join(r[i].thread, NULL);
        CHECK_MSG(r[i].shared && r[i].got[0] == t.want && r[i].got[1] == t.want && r[i].got[2] == t.want, "%s: other bits in a thread: %s", k->name, r[i].text);
        CHECK(r[i].frozen && (r[i].packs || !r[i].packed));
        packed += r[i].packed;
    }
    (void)test_heap_ended(&heap);                                /* the last of them gave the numbers back */
    (void)pthread_mutex_destroy(&t.lock);
    (void)pthread_cond_destroy(&t.changed);
}

/* ---- replaced under load ---- */
enum { LAYERS = 3, SETS = 40, WIDTH = 300 };
typedef struct shop { pthread_mutex_t lock; tg_ctx *tg; tg_module *net; int version; } shop;
typedef struct customer { shop *s; pthread_t thread; int forwards, wrong, sets; } customer;

static void publish(shop *s, tg_module *net, int version) {
    tg_module *still = tg_module_copy(net);                      /* net is trained on */
    (void)pthread_mutex_lock(&s->lock);
    tg_module_free(s->net);
    s->net = tg_module_share(s->tg, still);
    s->version = version;
    (void)pthread_mutex_unlock(&s->lock);
    tg_module_free(still);
}
/* All weights and biases of a set are its number v; what ones become in layers of `WIDTH` is then known, and is something else where a layer is of another set. */
static float answer(int v) {
    float y = 1;
    for (int i = 0; i < LAYERS; i++) y = (float)v + (i ? 1.0f : (float)WIDTH) * y * (float)v;
    return y;
}
static void *consume(void *arg) {
    customer *c = (customer *)arg;
    tg_ctx *tg = test_open_heap(NULL);
    tg_tensor *x = tg_ones(tg, TG_SHAPE(1, WIDTH));
    tg_module *net = NULL;
    int version = 0;
    while (version < SETS) {
        tg_mark scope = tg_begin(tg);
        float y = 0;
        (void)pthread_mutex_lock(&c->s->lock);
        if (c->s->version != version) {
            tg_module *next = tg_module_share(tg, c->s->net);
            tg_module_free(net);
            net = next; version = c->s->version; c->sets++;
        }
        (void)pthread_mutex_unlock(&c->s->lock);
        tg_grad_mode(tg, false);
        if (!tg_read_f32(tg_reshape(tg_forward(net, x), TG_SHAPE(1)), &y, 1) || y != answer(version)) c->wrong++;
        c->forwards++;
        tg_end(tg, scope);
    }
    tg_module_free(net);
    tg_close(tg);
    return NULL;
}
static void check_replaced(void) {
    static customer c[READERS];
    shop s;
    tg_ctx *tg = test_open();
    tg_module *net = tg_nn_sequential(tg, tg_nn_linear(tg, WIDTH, 1), tg_nn_linear(tg, 1, 1), tg_nn_linear(tg, 1, 1));
    tg_tensor *list[2 * LAYERS];
    int sets = 0;
    memset(&s, 0, sizeof s);
    memset(c, 0, sizeof c);
    (void)pthread_mutex_init(&s.lock, NULL);
    s.tg = test_open();
    CHECK(tg_parameters(net, list, 2 * LAYERS) == 2 * LAYERS);
    tg_grad_mode(tg, false);
    for (int v = 1; v <= SETS; v++) {
        for (int i = 0; i < 2 * LAYERS; i++) CHECK(tg_fill_(list[i], v));
        publish(&s, net, v);
        for (int i = 0; v == 1 && i < READERS; i++) { c[i].s = &s; CHECK(pthread_create(&c[i].thread, NULL, consume, &c[i]) == 0); }
        for (int i = 0; i < 50; i++) { tg_mark scope = tg_begin(tg); CHECK(tg_forward(net, tg_ones(tg, TG_SHAPE(20, WIDTH)))); tg_end(tg, scope); }      /* the trainer works meanwhile */
    }
    for (int i = 0; i < READERS; i++) {
        (void)pthread_join(c[i].thread, NULL);
        CHECK_MSG(c[i].wrong == 0, "%d of %d results are of no set", c[i].wrong, c[i].forwards);
        sets += c[i].sets;
    }
    CHECK_MSG(sets > READERS, "nobody saw a set replaced");
    CHECK_OK(tg); CHECK_OK(s.tg);
    tg_close(tg);
    tg_close(s.tg);
    (void)pthread_mutex_destroy(&s.lock);
}

int main(void) {
    for (int i = 0; i < SMALL_MODELS; i++) check_shared(&small_models[i]);
    CHECK(packed > 0);
    check_replaced();
    return test_end("threads");
}
#else
int main(void) { SKIP("no pthreads"); return test_end("threads"); }
#endif
