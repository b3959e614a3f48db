/* tools/tg_fit.h: metrics by hand, against a plain count and against scikit-learn's and COCO's numbers, the trainer's bits against the plain loop's and of resumed runs, gradients of several batches,
   L-BFGS, halves and scales of the loss, losses that are no numbers, early stop, best weights, callbacks, curves, events that TensorBoard reads.
   cc tests/test_fit.c -o test_fit -lm -lpthread && ./test_fit
   TensorBoard's own reader is asked where TG_TENSORBOARD names a python that has it, or python3 does. */
#include "test.h"
static long room_calls, room_fail;                                         /* the trainer's own memory: from the nth call on there is none */
static void *room_get(void *p, size_t size) { return ++room_calls >= room_fail && room_fail ? NULL : realloc(p, size); }
static void *room_zeros(size_t n, size_t size) { void *p = room_get(NULL, n * size); return p ? memset(p, 0, n * size) : NULL; }
#define malloc(size) room_get(NULL, size)
#define calloc(n, size) room_zeros(n, size)
#define realloc(p, size) room_get(p, size)
#define TG_FIT_IMPLEMENTATION
#include "../tools/tg_fit.h"
#undef malloc
#undef calloc
#undef realloc

/* ---- metrics ---- */
static void confusion(tg_ctx *tg) {
    tg_mark m = tg_begin(tg);
    static const float scores[6][3] = { { 3, 1, 2 }, { 1, 3, 2 }, { 1, 3, 2 }, { 0, 0, 0 }, { 1, 2, 3 }, { 1, 2, 3 } };
    static const int64_t targets[6] = { 0, 1, 2, 1, 2, -100 };
    tg_tensor *s = tg_from_f32(tg, TG_SHAPE(6, 3), scores[0]), *t = tg_from(tg, TG_SHAPE(6), TG_I64, targets), *y;
    tg_confusion c;
    int64_t n;
    char text[512];
    CHECK(tg_confusion_new(&c, 3) && tg_confusion_add(&c, s, t));
    CHECK(c.total == 5 && c.count[0] == 1 && c.count[3 * 1 + 0] == 1 && c.count[3 * 2 + 1] == 1);
    CHECK_NEAR(tg_confusion_accuracy(&c), 0.6, 1e-12);
    CHECK_NEAR(tg_confusion_precision(&c, 0), 0.5, 1e-12); CHECK_NEAR(tg_confusion_recall(&c, 0), 1, 1e-12);
    CHECK_NEAR(tg_confusion_f1(&c, 0), 2.0 / 3, 1e-12); CHECK_NEAR(tg_confusion_f1(&c, 1), 0.5, 1e-12); CHECK_NEAR(tg_confusion_f1(&c, -1), (2.0 / 3 + 0.5 + 2.0 / 3) / 3, 1e-12);
    CHECK_NEAR(tg_confusion_iou(&c, -1), (0.5 + 1.0 / 3 + 0.5) / 3, 1e-12);
    CHECK(tg_confusion_format(&c, text, sizeof text) < sizeof text && strstr(text, "recall"));
    CHECK_INT(tg_topk_hits(s, t, 1, &n), 3); CHECK_INT(n, 5);
    CHECK_INT(tg_topk_hits(s, t, 2, &n), 5);
    CHECK(!tg_confusion_add(&c, t, t) && !tg_confusion_add(&c, s, tg_full(tg, TG_SHAPE(6), 3, TG_I64)) && !tg_confusion_add(&c, NULL, t));
    CHECK(!tg_confusion_add(&c, tg_ones(tg, TG_SHAPE(6, 4)), t));
    { static const int64_t huge[6] = { 0, 1, 2, 1, 2, INT64_MAX }, first[2] = { 1, 0 };
      tg_tensor *none = tg_log(tg_full(tg, TG_SHAPE(2, 2), -1, TG_F32)), *two = tg_from(tg, TG_SHAPE(2), TG_I64, first);
      CHECK(!tg_confusion_add(&c, s, tg_from(tg, TG_SHAPE(6), TG_I64, huge)) && c.total == 5 && tg_topk_hits(s, tg_from(tg, TG_SHAPE(6), TG_I64, huge), 1, NULL) == -1);
      CHECK_INT(tg_topk_hits(none, two, 1, NULL), 1); CHECK_INT(tg_topk_hits(none, two, 2, NULL), 2);      /* a net that is broken is not always right */
      CHECK(tg_confusion_add(&c, none, two) && c.count[3 * 1 + 0] == 2 && c.count[0] == 2); }
    tg_confusion_free(&c);
    /* pictures: [N, C, H, W] is the same as the pixels one by one */
    y = tg_randn(tg, TG_SHAPE(2, 4, 5, 6)); t = tg_randint(tg, 0, 4, TG_SHAPE(2, 5, 6));
    { tg_confusion d;
      tg_tensor *flat = tg_reshape(tg_permute(y, TG_DIMS(0, 2, 3, 1)), TG_SHAPE(60, 4));
      CHECK(tg_confusion_new(&c, 4) && tg_confusion_new(&d, 4) && tg_confusion_add(&c, y, t) && tg_confusion_add(&d, flat, tg_reshape(t, TG_SHAPE(60))));
      CHECK(memcmp(c.count, d.count, 16 * sizeof *c.count) == 0 && c.total == 60);
      CHECK_INT(tg_topk_hits(y, t, 2, NULL), tg_topk_hits(flat, tg_reshape(t, TG_SHAPE(60)), 2, NULL));
      CHECK_NEAR(tg_confusion_accuracy(&c), tg_item(tg_mean(tg_to(tg_eq(tg_argmax_dim(y, 1, false), t), TG_F32))), 1e-6);
      tg_confusion_free(&c); tg_confusion_free(&d); }
    CHECK_OK(tg);
    tg_end(tg, m);
}
static void detections(void) {
    static const double a[4] = { 0, 0, 10, 10 }, b[4] = { 20, 20, 30, 30 }, near_a[4] = { 0, 0, 10, 8 }, off[4] = { 50, 50, 60, 60 };
    tg_detections d = { NULL, NULL, 0, 0, 0, 0 };
    CHECK(tg_detections_map(&d, 0.5) != tg_detections_map(&d, 0.5));
    CHECK(tg_detections_truth(&d, 0, 1, a) && tg_detections_truth(&d, 0, 1, b));
    CHECK_NEAR(tg_detections_map(&d, 0.5), 0, 1e-12);
    CHECK(tg_detections_found(&d, 0, 1, 0.9, near_a));
    CHECK_NEAR(tg_detections_map(&d, 0.5), 51.0 / 101, 1e-12);             /* recall 0.5 at precision 1: 0, 0.01 ... 0.5 */
    CHECK_NEAR(tg_detections_map(&d, 0.85), 0, 1e-12);                      /* they overlap by 0.8 */
    CHECK_NEAR(tg_detections_map(&d, 0), 51.0 / 101 * 7 / 10, 1e-12);       /* 0.5 to 0.8 */
    CHECK(tg_detections_found(&d, 0, 1, 0.8, off) && tg_detections_found(&d, 0, 1, 0.7, b));
    CHECK_NEAR(tg_detections_map(&d, 0.5), (51 + 50 * 2.0 / 3) / 101, 1e-12);
    CHECK(tg_detections_found(&d, 0, 1, 0.6, b) && tg_detections_found(&d, 1, 1, 0.95, a) && tg_detections_found(&d, 0, 2, 0.5, a));      /* twice; another picture; a class that is nowhere */
    CHECK_NEAR(tg_detections_map(&d, 0.5), (51 * 0.5 + 50 * 0.5) / 101, 1e-12);
    CHECK(tg_detections_truth(&d, 3, 2, b));
    CHECK_NEAR(tg_detections_map(&d, 0.5), 0.25, 1e-12);
    tg_detections_free(&d);
}

/* The same numbers in scikit-learn 1.9 and in COCO's evaluation (pycocotools 2.0), which told these results. */
static uint64_t peers_state;
static int64_t below(int64_t n) {
    uint64_t s = peers_state;
    s ^= s << 13; s ^= s >> 7; s ^= s << 17;
    peers_state = s;
    return (int64_t)((s >> 32) * (uint64_t)n >> 32);
}
static void box_of(double *b) {
    int k;
    for (k = 0; k < 2; k++) b[k] = (double)below(80);
    for (k = 2; k < 4; k++) b[k] = (double)(5 + below(30));
}
static bool add_box(tg_detections *d, bool truth, int64_t image, int64_t label, double score, const double *at) {
    const double corners[4] = { at[0], at[1], at[0] + at[2], at[1] + at[3] };
    return truth ? tg_detections_truth(d, image, label, corners) : tg_detections_found(d, image, label, score, corners);
}
static void peers(tg_ctx *tg) {
    static const int64_t others[5] = { 0, 1, 2, 3, 5 };
    float scores[200][7];
    int64_t targets[200], i, k, j;
    double b[4], c[4];
    tg_confusion m, none = { 3, 0, NULL };
    tg_detections d = { NULL, NULL, 0, 0, 0, 0 };
    peers_state = 88172645463325252u;
    memset(scores, 0, sizeof scores);
    for (i = 0; i < 200; i++) {                                            /* class 4 is never found, 5 is never true, 6 is nowhere */
        k = targets[i] = below(5);
        if (!below(3)) k = others[below(5)];
        scores[i][k == 4 ? 0 : k] = 1;
    }
    CHECK(tg_confusion_new(&m, 7) && tg_confusion_add(&m, tg_from_f32(tg, TG_SHAPE(200, 7), scores[0]), tg_from(tg, TG_SHAPE(200), TG_I64, targets)));
    CHECK_NEAR(tg_confusion_accuracy(&m), 0.6, 1e-12);
    CHECK_NEAR(tg_confusion_precision(&m, -1), 0.457177666388, 1e-11); CHECK_NEAR(tg_confusion_recall(&m, -1), 0.509799646603, 1e-11);
    CHECK_NEAR(tg_confusion_f1(&m, -1), 0.479454765477, 1e-11);        CHECK_NEAR(tg_confusion_iou(&m, -1), 0.378908782788, 1e-11);
    CHECK_NEAR(tg_confusion_precision(&m, 3), 0.771428571, 1e-8); CHECK_NEAR(tg_confusion_recall(&m, 0), 0.7, 1e-8); CHECK_NEAR(tg_confusion_f1(&m, 0), 0.573770492, 1e-8);
    CHECK(tg_confusion_precision(&m, 4) != tg_confusion_precision(&m, 4) && tg_confusion_recall(&m, 5) != tg_confusion_recall(&m, 5));
    CHECK(tg_confusion_f1(&m, 7) != tg_confusion_f1(&m, 7) && tg_confusion_iou(&m, -2) != tg_confusion_iou(&m, -2) && tg_confusion_f1(&m, 6) != tg_confusion_f1(&m, 6));
    CHECK(tg_confusion_f1(&none, 0) != tg_confusion_f1(&none, 0) && tg_confusion_accuracy(&none) != tg_confusion_accuracy(&none) && tg_confusion_format(&none, NULL, 0) > 0);
    tg_confusion_free(&m);
    for (i = 0; i < 24; i++) {
        int64_t n = 1 + below(6);
        for (k = 0; k < n; k++) {
            int64_t label, copies;
            box_of(b); label = below(3);
            CHECK(add_box(&d, true, i, label, 0, b));
            for (j = 0, copies = below(3); j < copies; j++) {
                int64_t said;
                c[0] = b[0] + (double)(below(7) - 3); c[1] = b[1] + (double)(below(7) - 3);
                c[2] = b[2] + (double)(below(5) - 2); c[3] = b[3] + (double)(below(5) - 2);
                said = below(5) ? label : below(3);
                CHECK(add_box(&d, false, i, said, (double)below(1000) / 1000, c));
            }
        }
        n = i == 7 ? 220 : below(3);                                       /* more than 100 of a class in one picture */
        for (j = 0; j < n; j++) { int64_t said; box_of(b); said = below(2); CHECK(add_box(&d, false, i, said, (double)below(700) / 1000, b)); }
    }
    CHECK(d.n_truth == 94 && d.n_found == 323);
    CHECK_NEAR(tg_detections_map(&d, 0), 0.107950479245, 1e-9); CHECK_NEAR(tg_detections_map(&d, 0.5), 0.307707726647, 1e-9); CHECK_NEAR(tg_detections_map(&d, 0.75), 0.048562806308, 1e-9);
    CHECK(add_box(&d, false, 0, 0, tg_item(tg_log(tg_number(tg, -1))), b) && tg_detections_map(&d, 0.5) > 0.3);      /* a score that is none comes last */
    tg_detections_free(&d);
    CHECK_OK(tg);
}

/* ---- a run: points of three classes ---- */
enum { ROWS = 120, CLASSES = 3 };
typedef struct world { tg_ctx *tg; tg_module *net; tg_optim *opt; tg_data *train, *valid; char said[20000]; int calls[8]; int64_t stop_at; int64_t seen; } world;
static bool ticking;
static double tick(void *user) { static double t; (void)user; return t += 1; }      /* a clock that each look moves by a second */
static void world_open(world *w, int threads) {
    tg_config c = test_config(NULL);
    tg_tensor *t[2];
    int64_t label[ROWS], i;
    memset(w, 0, sizeof *w);
    c.threads = threads; c.seed = 3;
    if (ticking) c.hooks.clock = tick;
    w->tg = tg_open(&c);
    for (i = 0; i < ROWS; i++) label[i] = i * 7 % CLASSES;
    t[1] = tg_from(w->tg, TG_SHAPE(ROWS), TG_I64, label);
    t[0] = tg_add(tg_mul_scalar(tg_randn(w->tg, TG_SHAPE(ROWS, 4)), 0.7), tg_unsqueeze(tg_to(t[1], TG_F32), 1));
    w->train = tg_data_new(t, 2, 16, .shuffle = true, .seed = 5);
    w->valid = tg_data_new(t, 2, 50);
    w->net = tg_nn_sequential(w->tg, tg_nn_linear(w->tg, 4, 16), tg_nn_batch_norm1d(w->tg, 16), tg_nn_relu(w->tg), tg_nn_dropout(w->tg, 0.2), tg_nn_linear(w->tg, 16, CLASSES));
    w->opt = tg_optim_adamw(w->net, 0.01);
}
static void world_close(world *w) { tg_close(w->tg); }
static uint64_t world_hash(world *w) { return test_hash_weights(w->net); }
static void world_put(void *user, const char *text) {
    world *w = (world *)user;
    if (strlen(w->said) + strlen(text) < sizeof w->said) strcat(w->said, text);
}
static bool world_call(void *user, tg_fit_event event, tg_fit_state *s) {
    world *w = (world *)user;
    w->calls[event]++;
    if (event == TG_FIT_STEP) CHECK(s->batch[0] && s->y && s->y->shape[1] == CLASSES && s->loss == s->loss);
    if (event == TG_FIT_SAVE) CHECK(s->more && tg_dict_set_meta(s->more, "mine", "42"));
    if (event == TG_FIT_VALID) CHECK(!s->args->metrics || (s->confusion && s->confusion->total == ROWS));
    if (event == TG_FIT_RESUME) CHECK(s->more && tg_dict_meta(s->more, "mine") && s->step > 0);
    w->seen = s->step;
    return !(event == TG_FIT_STEP && s->step == w->stop_at);
}
static double falling(void *user, double lr, int64_t step, int64_t steps) { (void)user; return tg_cosine_annealing_lr(lr, step, steps, 0); }
static const char *const metrics[] = { "accuracy", "top2", "f1", "iou", "perplexity", NULL };
static tg_fit_args world_args(world *w) {
    tg_fit_args a;
    memset(&a, 0, sizeof a);
    a.net = w->net; a.opt = w->opt; a.train = w->train; a.epochs = 4; a.schedule = falling; a.user = w; a.put = world_put; a.callback = world_call;
    a.valid = w->valid; a.metrics = metrics;
    return a;
}
/* The trainer makes the steps of the plain loop. */
static void plain(void) {
    world w;
    tg_fit_args a;
    tg_fit_report r;
    uint64_t want;
    int64_t step;
    world_open(&w, 0);
    for (step = 0; step < 4 * tg_data_steps(w.train); step++) {
        tg_mark m = tg_begin(w.tg);
        tg_tensor *x, *y;
        tg_batch(w.train, step, &x, &y);
        tg_optim_set_lr(w.opt, 0, falling(NULL, 0.01, step, 4 * tg_data_steps(w.train)));
        tg_backward(tg_cross_entropy(tg_forward(w.net, x), y));
        tg_step(w.opt);
        tg_end(w.tg, m);
    }
    want = world_hash(&w);
    world_close(&w);
    world_open(&w, 2);
    a = world_args(&w);
    CHECK_MSG(tg_fit(&a, &r), "%s %s", r.text, tg_error_text(w.tg));
    CHECK(world_hash(&w) == want);
    CHECK(r.steps == 32 && r.metric[0] > 0.6 && r.metric[1] >= r.metric[0] && r.metric[2] > 0.5 && r.metric[3] > 0.3 && !r.resumed && !r.stopped_early);
    { tg_tensor *e = tg_exp(tg_full(w.tg, TG_SCALAR, r.valid_loss, TG_F64)); CHECK_NEAR(r.metric[4], tg_item(e), 1e-9); }
    CHECK(w.calls[TG_FIT_STEP] == 32 && w.calls[TG_FIT_VALID] == 4 && w.calls[TG_FIT_EPOCH] == 4 && w.calls[TG_FIT_END] == 1 && w.calls[TG_FIT_SAVE] == 0);
    CHECK(strstr(w.said, "epoch 4/4") && strstr(w.said, "rows/s") && strstr(w.said, "to go") && strstr(w.said, "accuracy 0.") && strstr(w.said, "loss   \xe2\xa0\x92 train   o valid"));
    { tg_tensor *x, *y, *z; double right = 0; int64_t i;                    /* the last validation, counted here */
      tg_train(w.net, false);
      for (i = 0; i < 3; i++) { tg_batch(w.valid, i, &x, &y); z = tg_argmax_dim(tg_forward(w.net, x), 1, false); right += tg_item(tg_sum(tg_to(tg_eq(z, y), TG_F64))); }
      CHECK_NEAR(r.metric[0], right / ROWS, 1e-9); }
    CHECK_OK(w.tg);
    world_close(&w);
}
/* Each step has its line while the clock runs: over the last one, with the metric of the last validation. */
static void progress(void) {
    world w;
    tg_fit_args a;
    ticking = true;
    world_open(&w, 0);
    a = world_args(&w);
    a.epochs = 2; a.monitor = "f1"; a.no_curves = true; a.steps = 11;
    CHECK(tg_fit(&a, NULL));
    CHECK_MSG(strstr(w.said, "\repoch 1/2  step 8/8  loss ") && strstr(w.said, "\repoch 2/2  step 3/8  loss "), "%s", w.said);
    { const char *line = strstr(w.said, "\repoch 2/2  step 3/8"), *metric = line ? strstr(line, "  f1 0.") : NULL, *rate = line ? strstr(line, " rows/s  0:0") : NULL;
      CHECK_MSG(line && metric && rate && metric < rate && strstr(rate, " to go"), "%s", line ? line : "none"); }
    CHECK(strstr(w.said, "step 8/8") && !strstr(w.said, "nan") && w.said[strlen(w.said) - 1] == '\n');
    world_close(&w);
    ticking = false;
}
/* Stopped at any step and resumed with other threads: the same bits, and the same curves. */
static void resumed(void) {
    world w;
    tg_fit_args a;
    tg_fit_report whole, r;
    uint64_t want;
    int64_t at;
    world_open(&w, 0);
    a = world_args(&w);
    a.html = "test_fit.html";
    CHECK(tg_fit(&a, &whole));
    want = world_hash(&w);
    world_close(&w);
    for (at = 1; at < 32; at += at == 7 ? 1 : 6) {
        remove("test_fit.run");
        world_open(&w, 0);
        a = world_args(&w);
        a.checkpoint = "test_fit.run"; a.checkpoint_every = 5; a.resume = true; a.show = TG_FIT_QUIET;
        w.stop_at = at;
        CHECK(tg_fit(&a, &r) && r.stopped_by_callback && r.steps == at && w.calls[TG_FIT_SAVE] > 0 && w.said[0] == 0);
        world_close(&w);
        world_open(&w, 1 + (int)(at % 3));
        a = world_args(&w);
        a.checkpoint = "test_fit.run"; a.resume = true; a.show = TG_FIT_LINES;
        CHECK_MSG(tg_fit(&a, &r) && r.resumed && r.steps == 32, "%s %s", r.text, tg_error_text(w.tg));
        CHECK_MSG(world_hash(&w) == want, "resumed at step %d the weights have other bits", (int)at);
        CHECK(r.valid_loss == whole.valid_loss && r.best == whole.best && r.best_step == whole.best_step && w.calls[TG_FIT_RESUME] == 1);
        CHECK(!strchr(w.said, '\r'));
        a = world_args(&w);
        a.checkpoint = "test_fit.run"; a.resume = true; a.show = TG_FIT_QUIET;
        CHECK(tg_fit(&a, &r) && r.steps == 32 && world_hash(&w) == want);      /* a run that is done */
        world_close(&w);
    }
    remove("test_fit.run");
}
/* A net that cannot get better: the best weights come back. */
static tg_tensor *worse(void *user, tg_module *net, tg_tensor *const *batch, int n, tg_tensor **y) {
    tg_tensor *loss;
    (void)user;
    *y = tg_forward(net, batch[0]);
    loss = tg_cross_entropy(*y, batch[n - 1]);
    return net->training ? tg_neg(loss) : loss;
}
static void stopping(void) {
    world w;
    tg_fit_args a;
    tg_fit_report r;
    uint64_t best;
    world_open(&w, 0);
    a = world_args(&w);
    a.forward = worse; a.epochs = 50; a.patience = 3; a.best = "test_fit.best"; a.restore_best = true; a.clip = 1; a.show = TG_FIT_LINES;
    CHECK_MSG(tg_fit(&a, &r), "%s %s", r.text, tg_error_text(w.tg));
    CHECK(r.stopped_early && r.best_step == 8 && r.steps == 32);
    best = world_hash(&w);
    CHECK(tg_load(w.net, "test_fit.best", NULL) && world_hash(&w) == best);
    remove("test_fit.best");
    world_close(&w);
    world_open(&w, 0);                                                      /* an early end in the middle of an epoch has its checkpoint too */
    a = world_args(&w);
    a.forward = worse; a.epochs = 50; a.patience = 1; a.valid_every = 3; a.min_delta = 9; a.show = TG_FIT_QUIET; a.checkpoint = "test_fit.run"; a.callback = NULL;
    CHECK(tg_fit(&a, &r) && r.stopped_early && r.steps == 6);
    { int64_t step = 0; CHECK(tg_run_load(w.net, w.opt, &step, NULL, "test_fit.run") && step == 6); }
    remove("test_fit.run");
    world_close(&w);
    world_open(&w, 0);
    a = world_args(&w);
    a.monitor = "accuracy"; a.valid_every = 3; a.steps = 10; a.epochs = 0; a.show = TG_FIT_QUIET;
    CHECK(tg_fit(&a, &r) && r.steps == 10 && w.calls[TG_FIT_VALID] == 5 && r.best > 0.2 && r.best <= 1);
    world_close(&w);
    world_open(&w, 0);                                                      /* without a validation the training's loss is watched */
    a = world_args(&w);
    a.valid = NULL; a.metrics = NULL; a.show = TG_FIT_QUIET; a.callback = NULL;
    CHECK(tg_fit(&a, &r) && r.best > 0 && r.best_step > 0 && r.valid_loss != r.valid_loss);
    CHECK(tg_fit(&a, NULL));
    world_close(&w);
}
/* ---- what the optimiser wants ---- */
/* A net without dice, and batches in order: what is computed can be computed otherwise. */
static void quiet_world(world *w, int threads, int64_t batch) {
    tg_tensor *t[2];
    world_open(w, threads);
    t[1] = tg_randint(w->tg, 0, CLASSES, TG_SHAPE(ROWS));
    t[0] = tg_add(tg_rand(w->tg, TG_SHAPE(ROWS, 4)), tg_unsqueeze(tg_to(t[1], TG_F32), 1));
    w->train = tg_data_new(t, 2, batch);
    w->valid = tg_data_new(t, 2, 50);
    tg_seed(w->tg, 9);
    w->net = tg_nn_sequential(w->tg, tg_nn_linear(w->tg, 4, 16), tg_nn_tanh(w->tg), tg_nn_linear(w->tg, 16, CLASSES));
    w->opt = tg_optim_adamw(w->net, 0.01);
}
static tg_fit_args quiet_args(world *w) {
    tg_fit_args a = world_args(w);
    a.show = TG_FIT_QUIET; a.callback = NULL; a.metrics = NULL;
    return a;
}
static double farthest(tg_module *a, tg_module *b) {
    tg_tensor *p[8], *q[8];
    int64_t i, n = tg_parameters(a, p, 8);
    double most = 0, v;
    (void)tg_parameters(b, q, 8);
    for (i = 0; i < n; i++) {
        tg_tensor *t = tg_zeros_like(p[i]);
        CHECK(tg_read(q[i], t->data, (size_t)t->numel * 4));
        v = tg_item(tg_amax(tg_abs(tg_sub(tg_detach(p[i]), t))));
        if (v > most) most = v;
    }
    return most;
}
/* Three batches of 16, and at the end of an epoch one of 16 and one of 8: as batches of 48, 48 and 24. */
static void accumulating(void) {
    world w, whole;
    tg_fit_args a;
    tg_fit_report r, large;
    uint64_t want;
    int64_t at;
    quiet_world(&whole, 0, 48);
    a = quiet_args(&whole);
    a.clip = 0.5;
    CHECK(tg_fit(&a, &large) && large.steps == 12);
    quiet_world(&w, 2, 16);
    a = quiet_args(&w);
    a.accumulate = 3; a.clip = 0.5; a.callback = world_call;
    CHECK_MSG(tg_fit(&a, &r) && r.steps == 12 && w.calls[TG_FIT_STEP] == 12 && w.calls[TG_FIT_EPOCH] == 4, "%s %s", r.text, tg_error_text(w.tg));
    CHECK(farthest(w.net, whole.net) < 2e-5);
    CHECK_NEAR(r.loss, large.loss, 1e-5); CHECK_NEAR(r.valid_loss, large.valid_loss, 1e-5);
    want = world_hash(&w);
    world_close(&w); world_close(&whole);
    quiet_world(&w, 0, 16);
    a = quiet_args(&w);
    a.accumulate = INT64_MAX;                                               /* a step is an epoch */
    CHECK(tg_fit(&a, &r) && r.steps == 4 && r.loss < 2);
    world_close(&w);
    for (at = 1; at < 12; at += 3) {                                        /* in the middle of an epoch too */
        quiet_world(&w, 0, 16);
        a = quiet_args(&w);
        a.accumulate = 3; a.clip = 0.5; a.callback = world_call; a.checkpoint = "test_fit.run"; w.stop_at = at;
        CHECK(tg_fit(&a, &r) && r.stopped_by_callback);
        world_close(&w);
        quiet_world(&w, 3, 16);
        a = quiet_args(&w);
        a.accumulate = 2; a.checkpoint = "test_fit.run"; a.resume = true;
        CHECK(!tg_fit(&a, &r) && strstr(r.text, "other batches"));
        a.accumulate = 3; a.clip = 0.5;
        CHECK(tg_fit(&a, &r) && r.resumed && r.steps == 12 && world_hash(&w) == want);
        world_close(&w);
        remove("test_fit.run");
    }
}
/* The plain loop of L-BFGS, and the trainer's; a run that is resumed. */
static tg_tensor *lbfgs_loss(void *user) {
    world *w = (world *)user;
    tg_tensor *x, *y, *loss;
    tg_batch(w->train, w->seen, &x, &y);
    loss = tg_cross_entropy(tg_forward(w->net, x), y);
    return tg_backward(loss) ? loss : NULL;
}
static void lbfgs(void) {
    world w;
    tg_fit_args a;
    tg_fit_report r;
    uint64_t want;
    double first = 0;
    quiet_world(&w, 0, ROWS);
    w.opt = tg_optim_lbfgs(w.net, 1, .max_iter = 5, .strong_wolfe = true);
    for (w.seen = 0; w.seen < 6; w.seen++) { const double v = tg_step_with(w.opt, lbfgs_loss, &w); if (!w.seen) first = v; }
    want = world_hash(&w);
    CHECK_OK(w.tg);
    world_close(&w);
    quiet_world(&w, 2, ROWS);
    w.opt = tg_optim_lbfgs(w.net, 1, .max_iter = 5, .strong_wolfe = true);
    a = quiet_args(&w);
    a.epochs = 6; a.schedule = NULL;
    CHECK_MSG(tg_fit(&a, &r) && r.steps == 6, "%s %s", r.text, tg_error_text(w.tg));
    CHECK(world_hash(&w) == want && r.loss < 0.7 * first);
    world_close(&w);
    quiet_world(&w, 2, ROWS);
    w.opt = tg_optim_lbfgs(w.net, 1, .max_iter = 5, .strong_wolfe = true);
    a = quiet_args(&w);
    a.epochs = 6; a.schedule = NULL; a.checkpoint = "test_fit.run"; a.steps = 3;
    CHECK(tg_fit(&a, &r) && r.steps == 3);
    world_close(&w);
    quiet_world(&w, 0, ROWS);
    w.opt = tg_optim_lbfgs(w.net, 1, .max_iter = 5, .strong_wolfe = true);
    a = quiet_args(&w);
    a.epochs = 6; a.schedule = NULL; a.checkpoint = "test_fit.run"; a.resume = true;
    CHECK(tg_fit(&a, &r) && r.resumed && world_hash(&w) == want);
    world_close(&w);
    remove("test_fit.run");
    quiet_world(&w, 2, 24);                                                 /* five batches in each look */
    w.opt = tg_optim_lbfgs(w.net, 1, .max_iter = 5, .strong_wolfe = true);
    a = quiet_args(&w);
    a.epochs = 6; a.schedule = NULL; a.accumulate = 5;
    CHECK(tg_fit(&a, &r) && r.steps == 6 && r.loss < 0.7 * first);
    world_close(&w);
}
/* Each group's rate falls from its own, which a resumed run finds in its checkpoint, whatever its optimiser says. */
static void world_groups(world *w, int threads, double first) {
    tg_tensor *p[8];
    quiet_world(w, threads, 16);
    (void)tg_parameters(w->net, p, 8);
    w->opt = tg_adamw(p, 2, first);
    CHECK(tg_optim_group(w->opt, p + 2, 2, 0.1));
}
static void groups(void) {
    world w;
    tg_fit_args a;
    tg_fit_report r;
    uint64_t want;
    int64_t step, steps;
    world_groups(&w, 0, 0.01);
    steps = 4 * tg_data_steps(w.train);
    for (step = 0; step < steps; step++) {
        tg_mark m = tg_begin(w.tg);
        tg_tensor *x, *y;
        tg_batch(w.train, step, &x, &y);
        tg_optim_set_lr(w.opt, 0, tg_cosine_annealing_lr(0.01, step, steps, 0)); tg_optim_set_lr(w.opt, 1, tg_cosine_annealing_lr(0.1, step, steps, 0));
        tg_backward(tg_cross_entropy(tg_forward(w.net, x), y));
        tg_step(w.opt);
        tg_end(w.tg, m);
    }
    want = world_hash(&w);
    world_close(&w);
    world_groups(&w, 2, 0.01);
    a = quiet_args(&w);
    CHECK(tg_fit(&a, &r) && world_hash(&w) == want && tg_optim_lr(w.opt, 0) == 0.01 && tg_optim_lr(w.opt, 1) == 0.1);
    world_close(&w);
    world_groups(&w, 0, 0.01);
    a = quiet_args(&w);
    a.checkpoint = "test_fit.run"; a.callback = world_call; w.stop_at = 13;
    CHECK(tg_fit(&a, &r) && r.steps == 13);
    world_close(&w);
    world_groups(&w, 1, 0.5);
    a = quiet_args(&w);
    a.checkpoint = "test_fit.run"; a.resume = true;
    CHECK(tg_fit(&a, &r) && r.resumed && world_hash(&w) == want && tg_optim_lr(w.opt, 0) == 0.01);
    world_close(&w);
    remove("test_fit.run");
}
/* Averages: those of a plain loop, of a run that was stopped, and what is validated and kept as the best. */
enum { EMA, SWA, NORMS };
static void average_set(tg_fit_args *a, tg_module *average, int kind) {
    a->average = average;
    if (kind == EMA) a->ema = 0.9;
    else a->average_from = 16;
    if (kind == NORMS) a->average_norms = 3;
}
static double valid_accuracy(world *w, tg_module *m) {
    tg_tensor *x, *y;
    double right = 0;
    int64_t i;
    bool was = tg_infer_begin(m);
    for (i = 0; i < tg_data_steps(w->valid); i++) { tg_batch(w->valid, i, &x, &y); right += tg_item(tg_sum(tg_to(tg_eq(tg_argmax_dim(tg_forward(m, x), 1, false), y), TG_F64))); }
    tg_infer_end(m, was);
    return right / ROWS;
}
static void averages(void) {
    world w;
    tg_fit_args a;
    tg_fit_report r;
    tg_module *average, *plain_average;
    tg_tensor *x, *y;
    uint64_t want = 0, want_net = 0, hash;
    int64_t step, taken;
    int kind;
    for (kind = EMA; kind <= NORMS; kind++) {
        world_open(&w, 0);                                                  /* dropout and BatchNorm are in it */
        plain_average = tg_module_copy(w.net);
        for (step = taken = 0; step < 32; step++) {
            tg_mark m = tg_begin(w.tg);
            tg_batch(w.train, step, &x, &y);
            tg_optim_set_lr(w.opt, 0, falling(NULL, 0.01, step, 32));
            tg_backward(tg_cross_entropy(tg_forward(w.net, x), y));
            tg_step(w.opt);
            if (kind == EMA ? true : step + 1 >= 16 && (step + 1) % 8 == 0) { taken++; tg_module_ema_(plain_average, w.net, taken == 1 ? 0 : kind == EMA ? 0.9 : (double)(taken - 1) / (double)taken); }
            tg_end(w.tg, m);
        }
        want_net = world_hash(&w);
        if (kind == NORMS) {
            bool was;
            tg_random_state random = tg_random_get(w.tg);
            tg_tensor *mean = tg_module_tensor_at(plain_average, "1.running_mean"), *hidden, *sum = NULL;
            was = tg_update_bn_begin(plain_average);
            CHECK(plain_average->training);
            for (step = 0; step < 3; step++) {
                tg_batch(w.train, step, &x, &y);
                hidden = tg_mean_dims(tg_forward(tg_module_at(plain_average, "0"), x), TG_DIMS(0), false);
                sum = sum ? tg_add(sum, hidden) : hidden;
                CHECK(!tg_forward(plain_average, x)->requires_grad);
            }
            tg_update_bn_end(plain_average, was);
            CHECK(tg_allclose(mean, tg_div_scalar(sum, 3), 1e-5, 1e-6) && tg_item(tg_module_tensor_at(plain_average, "1.num_batches_tracked")) == 3);
            tg_forward(plain_average, x);
            CHECK(tg_allclose(mean, tg_add(tg_mul_scalar(tg_div_scalar(sum, 3), 0.9), tg_mul_scalar(hidden, 0.1)), 1e-5, 1e-6));      /* its momentum again */
            tg_random_set(w.tg, random);
            was = tg_update_bn_begin(plain_average);
            for (step = 0; step < 3; step++) { tg_batch(w.train, step, &x, &y); tg_forward(plain_average, x); }
            tg_update_bn_end(plain_average, was);
            tg_train(plain_average, true); tg_update_bn_end(plain_average, true); CHECK(plain_average->training);      /* an end without a begin */
            { bool outer = tg_infer_begin(plain_average); was = tg_update_bn_begin(plain_average); tg_update_bn_end(plain_average, was); CHECK(!plain_average->training); tg_infer_end(plain_average, outer); CHECK(plain_average->training); }
            was = tg_update_bn_begin(plain_average);
            for (step = 0; step < 3; step++) { tg_batch(w.train, step, &x, &y); tg_forward(plain_average, x); }
            tg_update_bn_end(plain_average, was);
        }
        CHECK_OK(w.tg);
        want = test_hash_weights(plain_average);
        CHECK(want != want_net);
        world_close(&w);

        world_open(&w, 2);
        a = world_args(&w);
        a.show = TG_FIT_QUIET; a.best = "test_fit.best"; a.monitor = "accuracy";
        average_set(&a, average = tg_module_copy(w.net), kind);
        CHECK_MSG(tg_fit(&a, &r), "%s %s", r.text, tg_error_text(w.tg));
        hash = test_hash_weights(average);
        CHECK_MSG(world_hash(&w) == want_net && hash == want, "kind %d: the net %s, the average %s", kind, world_hash(&w) == want_net ? "agrees" : "differs", hash == want ? "agrees" : "differs");
        CHECK_NEAR(r.metric[0], valid_accuracy(&w, average), 1e-9);
        CHECK(tg_load(average, "test_fit.best", NULL));
        CHECK_NEAR(r.best, valid_accuracy(&w, average), 1e-9);
        remove("test_fit.best");
        world_close(&w);

        for (step = 3; step < 32; step += 10) {                             /* stopped and resumed */
            world_open(&w, 0);
            a = world_args(&w);
            a.show = TG_FIT_QUIET; a.checkpoint = "test_fit.run"; w.stop_at = step;
            average_set(&a, tg_module_copy(w.net), kind);
            CHECK(tg_fit(&a, &r) && r.steps == step);
            world_close(&w);
            world_open(&w, 1);
            a = world_args(&w);
            a.show = TG_FIT_QUIET; a.checkpoint = "test_fit.run"; a.resume = true;
            average_set(&a, average = tg_module_copy(w.net), kind);
            CHECK_MSG(tg_fit(&a, &r) && r.resumed, "%s %s", r.text, tg_error_text(w.tg));
            CHECK_MSG(world_hash(&w) == want_net && test_hash_weights(average) == want, "kind %d, resumed at %d", kind, (int)step);
            a.average = NULL; a.ema = 0; a.average_from = a.average_norms = 0;
            CHECK(!tg_fit(&a, &r) && strstr(r.text, "a run with .average"));
            world_close(&w);
            remove("test_fit.run");
        }
    }
    quiet_world(&w, 0, 16);                                                 /* a net of halves whose average is not */
    w.opt = tg_optim_adamw(w.net, 0.01, .master_weights = true);
    average = tg_module_copy(w.net);
    CHECK(tg_module_to(w.net, TG_BF16));
    w.opt = tg_optim_adamw(w.net, 0.01, .master_weights = true);
    a = quiet_args(&w);
    a.valid = w.valid; average_set(&a, average, EMA);
    CHECK_MSG(tg_fit(&a, &r) && r.valid_loss < 1, "%s %s", r.text, tg_error_text(w.tg));
    CHECK(tg_module_tensor_at(average, "0.weight")->dtype == TG_F32);
    world_close(&w);
}
static tg_tensor *sometimes(void *user, tg_module *net, tg_tensor *const *batch, int n, tg_tensor **y);
/* The end comes after a failure too, and says what it was. */
static bool end_call(void *user, tg_fit_event event, tg_fit_state *s) {
    world *w = (world *)user;
    w->calls[event]++;
    if (event == TG_FIT_END) snprintf(w->said, sizeof w->said, "%s", s->error ? s->error : "none");
    return true;
}
static void ends(void) {
    world w;
    tg_fit_args a;
    quiet_world(&w, 0, 16);
    a = quiet_args(&w);
    a.callback = end_call;
    CHECK(tg_fit(&a, NULL) && w.calls[TG_FIT_END] == 1 && !strcmp(w.said, "none"));
    a.forward = sometimes;
    CHECK(!tg_fit(&a, NULL) && w.calls[TG_FIT_END] == 2 && strstr(w.said, "the loss is"));
    a.forward = worse; a.tensors = 3;
    CHECK(!tg_fit(&a, NULL) && w.calls[TG_FIT_END] == 3 && strstr(w.said, tg_error_text(w.tg)) && tg_failed(w.tg));
    tg_clear(w.tg);
    a = quiet_args(&w);
    a.callback = end_call; a.epochs = 0;
    CHECK(!tg_fit(&a, NULL) && w.calls[TG_FIT_END] == 4 && strstr(w.said, "no step"));
    world_close(&w);
}
/* Losses that are no numbers: the run ends before them, or leaves them out. */
static tg_tensor *sometimes(void *user, tg_module *net, tg_tensor *const *batch, int n, tg_tensor **y) {
    world *w = (world *)user;
    tg_tensor *loss;
    *y = tg_forward(net, batch[0]);
    loss = tg_cross_entropy(*y, batch[n - 1]);
    if (net->training && w->calls[7]++ % 4 == 3) loss = tg_mul(loss, tg_log(tg_number(w->tg, -1)));
    return loss;
}
static void not_finite(void) {
    world w;
    tg_fit_args a;
    tg_fit_report r;
    uint64_t before;
    quiet_world(&w, 0, 16);
    a = quiet_args(&w);
    a.steps = 8; a.schedule = NULL; a.forward = sometimes; a.checkpoint = "test_fit.run"; a.checkpoint_every = 1;
    CHECK(!tg_fit(&a, &r)); CHECK_MSG(strstr(r.text, "at step 4 the loss is") != NULL, "%s", r.text); CHECK(r.steps == 3); CHECK_OK(w.tg);
    before = world_hash(&w);
    CHECK(tg_run_load(w.net, w.opt, NULL, NULL, "test_fit.run") && world_hash(&w) == before);
    remove("test_fit.run");
    world_close(&w);
    quiet_world(&w, 0, 16);
    w.opt = tg_optim_adamw(w.net, 0.01, .skip_nonfinite = true);
    a = quiet_args(&w);
    a.forward = sometimes; a.show = TG_FIT_LINES; a.no_curves = true;
    CHECK(tg_fit(&a, &r) && r.steps == 32 && r.skipped == 8 && tg_optim_skipped(w.opt) == 8 && r.valid_loss < 1);
    CHECK(strstr(w.said, "skipped 8") && !strstr(w.said, "nan"));
    a.accumulate = 2; a.show = TG_FIT_QUIET;                                /* one bad batch spoils its step alone */
    CHECK(tg_fit(&a, &r) && r.steps == 16 && r.skipped == 8 + 8);
    before = world_hash(&w);
    a.accumulate = 8;                                                       /* each step has one: nothing is learned, and that is said */
    a.epochs = 200;
    CHECK(!tg_fit(&a, &r)); CHECK(strstr(r.text, "100 steps") && world_hash(&w) == before); CHECK_OK(w.tg);
    world_close(&w);
    quiet_world(&w, 0, ROWS);                                               /* of L-BFGS too, where only its first look was good: the checkpoint stays */
    w.opt = tg_optim_lbfgs(w.net, 0.1, .max_iter = 4);
    a = quiet_args(&w);
    a.valid = NULL; a.epochs = 3; a.schedule = NULL; a.forward = sometimes; a.checkpoint = "test_fit.run"; a.html = "test_fit.html";
    w.calls[7] = -4;
    CHECK(!tg_fit(&a, &r)); CHECK_MSG(strstr(r.text, "at step 2") && r.steps == 1, "%s", r.text);
    { int64_t step = 0; CHECK(tg_run_load(w.net, w.opt, &step, NULL, "test_fit.run") && step == 1); }
    remove("test_fit.run");
    world_close(&w);
}
/* What cannot be drawn to scale, and what a run that fails leaves behind. */
static tg_tensor *level(void *user, tg_tensor *y, tg_tensor *target) { (void)user; (void)target; return tg_add_scalar(tg_mul_scalar(tg_sum(y), 0), 1e20); }
static char *file_text(const char *path, size_t *size);
static void leavings(void) {
    world w;
    tg_fit_args a;
    tg_fit_report r;
    char *p;
    quiet_world(&w, 0, 16);
    a = quiet_args(&w);
    a.show = TG_FIT_LINE; a.html = "test_fit.html"; a.loss = level;
    CHECK(tg_fit(&a, &r) && strstr(w.said, "1e+20 |"));
    a.loss = NULL; a.forward = sometimes; a.show = TG_FIT_QUIET; w.calls[7] = 0;
    CHECK(!tg_fit(&a, &r) && r.steps == 3);
    p = file_text("test_fit.html", NULL);
    CHECK(strstr(p, "3 of 32 steps") && strstr(p, "<polyline"));
    free(p);
    remove("test_fit.html");
    world_close(&w);
}
/* Scales that are powers of two change no bit of f32; those of f16 are found. */
static void scaled(void) {
    world w;
    tg_fit_args a;
    tg_fit_report r, half;
    uint64_t want;
    double scale;
    quiet_world(&w, 0, 16);
    a = quiet_args(&w);
    CHECK(tg_fit(&a, &r));
    want = world_hash(&w);
    world_close(&w);
    quiet_world(&w, 0, 16);
    w.opt = tg_optim_adamw(w.net, 0.01, .loss_scale = 1024, .skip_nonfinite = true);
    a = quiet_args(&w);
    a.scale_every = 5;
    CHECK(tg_fit(&a, &half) && world_hash(&w) == want && half.skipped == 0);
    CHECK_NEAR(tg_optim_get(w.opt, 0, "loss_scale"), 1024 * 64, 0);         /* 32 steps */
    world_close(&w);
    quiet_world(&w, 0, 16);
    CHECK(tg_module_to(w.net, TG_BF16));
    w.opt = tg_optim_adamw(w.net, 0.01, .master_weights = true);
    a = quiet_args(&w);
    a.metrics = metrics;
    CHECK_MSG(tg_fit(&a, &half), "%s %s", half.text, tg_error_text(w.tg));
    CHECK_NEAR(half.valid_loss, r.valid_loss, 0.02); CHECK(half.metric[0] > 0.4);
    world_close(&w);
    quiet_world(&w, 0, 16);
    CHECK(tg_module_to(w.net, TG_F16));
    w.opt = tg_optim_adamw(w.net, 0.01, .master_weights = true, .loss_scale = 4194304, .skip_nonfinite = true);
    a = quiet_args(&w);
    a.scale_every = 8; a.clip = 5; a.epochs = 6; a.schedule = NULL;
    CHECK_MSG(tg_fit(&a, &half), "%s %s", half.text, tg_error_text(w.tg));
    scale = tg_optim_get(w.opt, 0, "loss_scale");
    CHECK_MSG(half.skipped > 3 && half.skipped < 20 && scale < 4194304 && scale > 64, "%d skipped, scale %g", (int)half.skipped, scale);
    CHECK(half.valid_loss < r.valid_loss);                                  /* it made more steps */
    want = world_hash(&w);
    world_close(&w);
    quiet_world(&w, 2, 16);                                                 /* the scale and its count are resumed too */
    CHECK(tg_module_to(w.net, TG_F16));
    w.opt = tg_optim_adamw(w.net, 0.01, .master_weights = true, .loss_scale = 4194304, .skip_nonfinite = true);
    a = quiet_args(&w);
    a.scale_every = 8; a.clip = 5; a.epochs = 6; a.schedule = NULL; a.checkpoint = "test_fit.run"; a.steps = 21;
    CHECK(tg_fit(&a, &half));
    world_close(&w);
    quiet_world(&w, 0, 16);
    CHECK(tg_module_to(w.net, TG_F16));
    w.opt = tg_optim_adamw(w.net, 0.01, .master_weights = true, .loss_scale = 4194304, .skip_nonfinite = true);
    a = quiet_args(&w);
    a.scale_every = 8; a.clip = 5; a.epochs = 6; a.schedule = NULL; a.checkpoint = "test_fit.run"; a.resume = true;
    CHECK(tg_fit(&a, &half) && world_hash(&w) == want && tg_optim_get(w.opt, 0, "loss_scale") <= scale && tg_optim_get(w.opt, 0, "loss_scale") >= scale);
    remove("test_fit.run");
    world_close(&w);
}
/* Parts that are in eval mode stay so, a gradient that was left over is no part of the run, single gradients are clipped. */
static void modes(void) {
    world w;
    tg_fit_args a;
    tg_module *norm;
    uint64_t mean;
    tg_tensor *x;
    world_open(&w, 0);
    norm = tg_module_at(w.net, "1");
    tg_train(norm, false);
    x = tg_module_tensor_at(w.net, "1.running_mean");
    mean = test_hash(0, x->data, 64);
    a = quiet_args(&w);
    CHECK(tg_fit(&a, NULL) && !norm->training && w.net->training && tg_module_at(w.net, "3")->training && test_hash(0, x->data, 64) == mean);
    world_close(&w);
    quiet_world(&w, 0, 16);
    w.opt = tg_optim_sgd(w.net, 1);
    x = tg_detach(tg_clone(tg_module_tensor_at(w.net, "0.weight")));
    tg_backward(tg_sum(tg_forward(w.net, tg_ones(w.tg, TG_SHAPE(5, 4)))));
    a = quiet_args(&w);
    a.steps = 1; a.schedule = NULL; a.clip_value = 1e-3;
    CHECK(tg_fit(&a, NULL));
    CHECK_NEAR(tg_item(tg_amax(tg_abs(tg_sub(x, tg_detach(tg_module_tensor_at(w.net, "0.weight")))))), 1e-3, 1e-6);
    world_close(&w);
}
/* Boxes from a net: here each row is a picture of one box, which is found as often as its class is. */
static bool boxes(void *user, tg_tensor *y, tg_tensor *const *batch, int n, int64_t image, tg_detections *d) {
    static const double box[4] = { 0, 0, 10, 10 };
    tg_tensor *best = tg_argmax_dim(y, 1, false), *truth = batch[n - 1];
    int64_t i;
    bool ok = true;
    (void)user;
    for (i = 0; i < best->numel; i++) ok = ok && tg_detections_found(d, image + i, (int64_t)tg_item(tg_select(best, 0, i)), 0.5, box) && tg_detections_truth(d, image + i, (int64_t)tg_item(tg_select(truth, 0, i)), box);
    return ok;
}
static void found(void) {
    static const char *const names[] = { "accuracy", "map", "map50", NULL };
    world w;
    tg_fit_args a;
    tg_fit_report r;
    world_open(&w, 0);
    a = quiet_args(&w);
    a.metrics = names; a.detect = boxes; a.monitor = "map"; a.epochs = 8;
    CHECK(tg_fit(&a, &r) && r.metric[1] > 0.5 && r.metric[1] <= 1 && r.metric[1] >= r.metric[2] && r.metric[1] <= r.metric[2] && r.best >= r.metric[1]);
    world_close(&w);
}

static tg_tensor *no_loss(void *user, tg_module *net, tg_tensor *const *batch, int n, tg_tensor **y) { (void)user; (void)net; (void)batch; (void)n; (void)y; return NULL; }
static tg_tensor *many(void *user, tg_tensor *y, tg_tensor *target) { (void)user; (void)target; return y; }
static void refusals(void) {
    static const char *const unknown[] = { "acuracy", NULL }, *const trailing[] = { "top5x", NULL }, *const needs[] = { "map50", NULL };
    tg_tensor *few[2];
    world w;
    tg_fit_args a;
    tg_fit_report r;
    world_open(&w, 0);
    few[0] = tg_rand(w.tg, TG_SHAPE(8, 4)); few[1] = tg_randint(w.tg, 0, 3, TG_SHAPE(8));
#define REFUSED(change, says) (a = world_args(&w), a.show = TG_FIT_QUIET, (void)(change), CHECK(!tg_fit(&a, &r)), CHECK_MSG(strstr(r.text, says) != NULL, "'%s' does not say '%s'", r.text, says), CHECK_OK(w.tg))
    REFUSED(a.opt = NULL, "needs .net"); REFUSED(a.net = NULL, "needs .net"); REFUSED(a.epochs = 0, "no step"); REFUSED(a.metrics = unknown, "unknown metric"); REFUSED(a.monitor = "loss", "none of");
    REFUSED(a.resume = true, "need .checkpoint"); REFUSED(a.restore_best = true, "needs .best"); REFUSED(a.tensors = 1, ".tensors"); REFUSED(a.forward = no_loss, "no loss");
    REFUSED(a.metrics = trailing, "unknown metric"); REFUSED(a.metrics = needs, ".detect"); REFUSED(a.patience = -1, "negative"); REFUSED(a.clip = -1, "negative"); REFUSED(a.epochs = INT64_MAX, "2^53");
    REFUSED(a.valid = tg_data_new(few, 2, 16, .drop_last = true), ".valid has no batch"); REFUSED(a.loss = many, "one element");
    REFUSED(a.html = "no/such/folder/x.html", "page"); CHECK_INT(r.steps, 0); CHECK(r.seconds < 1); REFUSED(a.board = "no/such/folder", "folder");
    REFUSED(a.ema = 0.9, "need .average"); REFUSED(a.average = w.net, "need .average"); REFUSED((a.average = tg_module_copy(w.net), a.ema = 1), "less than 1");
    REFUSED((a.average = tg_module_copy(w.net), a.average_norms = 9), "batches of an epoch");
    REFUSED((a.valid = NULL), "need .valid"); REFUSED((a.forward = worse, a.loss = many), ".loss would not"); REFUSED(a.tensors = 3, ".tensors");
    { static const char *const other[] = { "top2", "accuracy", "f1", "iou", "perplexity", NULL };
      FILE *f = fopen("test_fit.file", "wb");
      tg_dict *more = NULL;
      if (f) fclose(f);
      REFUSED((a.resume = true, a.checkpoint = "test_fit.file/run"), "cannot be read"); CHECK_INT(r.steps, 0);      /* it is there perhaps: not written over */
      remove("test_fit.file");
      a = world_args(&w); a.show = TG_FIT_QUIET; a.monitor = "accuracy"; a.epochs = 1; a.checkpoint = "test_fit.run";
      CHECK(tg_fit(&a, &r));
      REFUSED((a.resume = true, a.checkpoint = "test_fit.run"), "another .monitor");                                  /* an accuracy is no loss that could be beaten */
      REFUSED((a.resume = true, a.checkpoint = "test_fit.run", a.metrics = other, a.monitor = "accuracy"), "other .metrics");
      CHECK(tg_run_load(w.net, w.opt, NULL, &more, "test_fit.run") && tg_run_save(w.net, w.opt, -3, more, "test_fit.run"));
      tg_dict_free(more);
      REFUSED((a.resume = true, a.checkpoint = "test_fit.run", a.monitor = "accuracy"), "not made by tg_fit");
      remove("test_fit.run"); }
    CHECK(!tg_fit(NULL, &r) && !tg_fit(NULL, NULL));
    a = world_args(&w); a.show = TG_FIT_QUIET; a.checkpoint = "no/such/folder/x";
    CHECK(!tg_fit(&a, &r)); CHECK_ERROR(w.tg, TG_ERROR_FILE);
    a = world_args(&w); a.show = TG_FIT_QUIET; a.tensors = 3; a.forward = worse;
    CHECK(!tg_fit(&a, &r)); CHECK_ERROR(w.tg, TG_ERROR_VALUE);
    world_close(&w);
}
static char *file_text(const char *path, size_t *size) {                   /* *owned* */
    FILE *f = fopen(path, "rb");
    char *p = (char *)calloc(1, 1 << 20);
    size_t n = f ? fread(p, 1, (1 << 20) - 1, f) : 0;
    if (f) fclose(f);
    if (size) *size = n;
    return p;
}
static void page(void) {
    char *p = file_text("test_fit.html", NULL), *s;
    int open = 0, curves = 0;
    CHECK(strstr(p, "<!DOCTYPE html>") && strstr(p, "</html>") && !strstr(p, "http") && !strstr(p, "src="));
    for (s = p; (s = strstr(s, "<svg")) != NULL; s++) open++;
    for (s = p; (s = strstr(s, "<polyline")) != NULL; s++) curves++;
    CHECK_INT(open, 6); CHECK_INT(curves, 7);                              /* the losses in one picture, five metrics */
    CHECK(strstr(p, "<td>32</td>") && strstr(p, "recall"));
    free(p);
    remove("test_fit.html");
}

/* ---- TensorBoard ---- */
static const char reader[] =
    "import sys, glob\n"
    "from tensorboard.backend.event_processing.event_accumulator import EventAccumulator\n"
    "from tensorboard.compat.proto.graph_pb2 import GraphDef\n"
    "a = EventAccumulator(sys.argv[1], size_guidance={'histograms': 0, 'scalars': 0, 'images': 0}); a.Reload(); t = a.Tags()\n"
    "assert set(['loss/train', 'loss/valid', 'accuracy', 'lr']) <= set(t['scalars']), t\n"
    "s = a.Scalars('loss/train'); assert [e.step for e in s] == list(range(1, 33)) and s[0].value > s[-1].value, s\n"
    "assert [e.step for e in a.Scalars('accuracy')] == [8, 16, 24, 32]\n"
    "assert '?<b>\"&\\u00e4???\\n' in t['scalars'] and 'gradient norm' in t['scalars'], t\n"
    "h = a.Histograms('0.weight')[-1].histogram_value; assert h.num == 64 and sum(h.bucket) == 64 and len(h.bucket_limit) == 30 and h.bucket_limit[-1] == h.max, h\n"
    "b = EventAccumulator(sys.argv[1] + '/again'); b.Reload(); assert [(e.step, e.value) for e in b.Scalars('again')] == [(1, 1), (2, 2), (3, 3), (4, -4), (5, -5)], b.Scalars('again')\n"
    "i = a.Images('picture'); assert (i[0].width, i[0].height, i[0].step) == (5, 4, 7), i\n"
    "open(sys.argv[1] + '/picture.png', 'wb').write(i[0].encoded_image_string)\n"
    "import struct, zlib\n"
    "p = i[0].encoded_image_string; n = struct.unpack('>I', p[33:37])[0]; assert zlib.crc32(p[37:41 + n]) == struct.unpack('>I', p[41 + n:45 + n])[0]\n"
    "raw = zlib.decompress(p[41:41 + n]); assert len(raw) == 4 * (1 + 5 * 3) and raw[1:4] == bytes([0, 255, 128]), raw[:8]\n"
    "g = GraphDef(); g.ParseFromString(a.Graph().SerializeToString()); names = [n.name for n in g.node]\n"
    "assert len(names) == len(set(names)) and all(i in names for n in g.node for i in n.input) and any(n.op == 'linear' for n in g.node), names\n"
    "print('ok', len(g.node))\n";
static void board(void) {
    world w;
    tg_fit_args a;
    tg_board *b;
    FILE *f;
    const char *python = getenv("TG_TENSORBOARD");
    char line[512];
    world_open(&w, 0);
    a = world_args(&w);
    a.board = "test_fit.dir"; a.show = TG_FIT_QUIET;
    CHECK(tg_fit(&a, NULL));
    b = tg_board_open("test_fit.dir");
    CHECK(b != NULL);
    { tg_tensor *image = tg_zeros(w.tg, TG_SHAPE(3, 4, 5));
      tg_fill_(tg_select(image, 0, 1), 1); tg_fill_(tg_select(image, 0, 2), 0.5);
      CHECK(tg_board_image(b, "picture", 7, image) && !tg_board_image(b, "none", 0, tg_ones(w.tg, TG_SHAPE(4))) && tg_board_image(b, "grey", 0, tg_to(tg_ones(w.tg, TG_SHAPE(4, 4)), TG_U8))); }
    CHECK(tg_board_scalar(b, "\xff<b>\"&\xc3\xa4\xed\xa0\x80\n", 1, 2) && !tg_board_scalar(b, NULL, 1, 2) && !tg_board_open(NULL));      /* names of any bytes */
    CHECK(tg_board_scalar(b, "nan", 1, tg_item(tg_log(tg_number(w.tg, -1)))) && tg_board_histogram(b, "none", 1, tg_zeros(w.tg, TG_SHAPE(0))));
    { tg_board *again = tg_board_open("test_fit.dir/again");               /* a run that goes on at step 4, after having written more */
      int64_t step;
      for (step = 1; step <= 6; step++) CHECK(tg_board_scalar(again, "again", step, (double)step));
      CHECK(tg_board_close(again) && (again = tg_board_open("test_fit.dir/again")) != NULL && tg_board_restart(again, 4) && !tg_board_restart(NULL, 4));
      for (step = 4; step <= 5; step++) CHECK(tg_board_scalar(again, "again", step, (double)-step));
      CHECK(tg_board_close(again)); }
    CHECK(tg_board_close(b) && tg_board_close(NULL) && !tg_board_scalar(NULL, "x", 0, 0) && !tg_board_open("no/such/folder"));
    CHECK_OK(w.tg);
    f = fopen("test_fit.dir/read.py", "wb");
    CHECK(f && fwrite(reader, 1, sizeof reader - 1, f) == sizeof reader - 1);
    if (f) fclose(f);
    sprintf(line, "%.200s -c 'import tensorboard' 2>test_fit.dir/none", python && *python ? python : "python3");
    if (system(line) != 0) SKIP("no python with tensorboard");
    else {
        sprintf(line, "%.200s test_fit.dir/read.py test_fit.dir >test_fit.dir/said 2>&1", python && *python ? python : "python3");
        if (!CHECK(system(line) == 0)) { char *said = file_text("test_fit.dir/said", NULL); printf("%s\n", said); free(said); }
    }
    (void)!system("rm -rf test_fit.dir");
    world_close(&w);
}

/* Memory that runs out: an error, and nothing is lost. */
static void memory(void) {
    static test_heap heap;
    long fail_at;
    bool ended = false;
    for (fail_at = 1; !ended; fail_at += 1 + fail_at / 8) {
        tg_config c = test_config(&heap);
        tg_ctx *tg;
        c.no_cache = true;
        heap.fail_from = fail_at;
        tg = tg_open(&c);
        if (tg) {
            tg_tensor *t[2];
            tg_fit_args a;
            tg_fit_report r;
            bool ok;
            memset(&a, 0, sizeof a); memset(&r, 0, sizeof r);
            t[0] = tg_rand(tg, TG_SHAPE(8, 2)); t[1] = tg_randint(tg, 0, 2, TG_SHAPE(8));
            a.train = a.valid = tg_data_new(t, 2, 4); a.net = tg_nn_linear(tg, 2, 2); a.opt = tg_optim_sgd(a.net, 0.1, .momentum = TG_IS(0.9));
            a.epochs = 2; a.metrics = metrics; a.show = TG_FIT_QUIET; a.checkpoint = "test_fit.run";
            ok = tg_fit(&a, &r);
            CHECK_MSG(ok || tg_error(tg) == TG_ERROR_MEMORY || r.text[0], "allocation %ld: %s", fail_at, tg_error_text(tg));
            heap.fail_from = 0;
            test_close(tg);
        }
        if (!test_heap_ended(&heap)) ended = true;
    }
    for (room_fail = 1, ended = false; !ended; room_fail += 1 + room_fail / 30) {
        world w;
        tg_fit_args a;
        tg_fit_report r;
        quiet_world(&w, 0, 60);
        a = quiet_args(&w);
        a.epochs = 2; a.metrics = metrics; a.checkpoint = "test_fit.run"; a.html = "test_fit.html"; a.board = "test_fit.dir";
        room_calls = 0;
        CHECK_MSG(tg_fit(&a, &r) || r.text[0] || tg_failed(w.tg), "call %ld", room_fail);
        ended = room_calls < room_fail;
        CHECK_MSG(!ended || r.steps == 4, "%s", r.text);
        world_close(&w);
    }
    room_fail = 0;
    (void)!system("rm -rf test_fit.dir");
    remove("test_fit.html");
    remove("test_fit.run");
}

int main(void) {
    tg_ctx *tg = test_open();
    confusion(tg);
    peers(tg);
    test_close(tg);
    detections();
    plain();
    progress();
    resumed();
    page();
    stopping();
    accumulating();
    lbfgs();
    groups();
    averages();
    ends();
    not_finite();
    leavings();
    scaled();
    modes();
    found();
    refusals();
    board();
    memory();
    return test_end("fit");
}
