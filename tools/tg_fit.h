/* tg_fit.h - a trainer for tensorgrad.h: progress, validation, metrics, early stop, best weights, resume, curves, TensorBoard.

   Written with public functions of tensorgrad.h only, and with the C library's files. In exactly one source file:

       #define TG_FIT_IMPLEMENTATION
       #include "tg_fit.h"                        finds "tensorgrad.h" beside it, unless that was included before

   and in all others only the #include. C99 and up, C++11 and up.

   Training needs no trainer. This is the whole of it, and what to write where anything is unusual:

       for (int64_t step = 0; step < 10 * tg_data_steps(train) && !tg_failed(tg); step++) {
           tg_mark m = tg_begin(tg);
           tg_tensor *x, *y;
           tg_batch(train, step, &x, &y);
           tg_optim_set_lr(opt, 0, tg_cosine_annealing_lr(0.01, step, 10 * tg_data_steps(train), 0));
           tg_tensor *loss = tg_cross_entropy(tg_forward(net, x), y);
           tg_backward(loss);
           tg_step(opt);
           if (step % 100 == 0) printf("step %d  loss %.3f\n", (int)step, tg_item(loss));
           if (step % 1000 == 999) tg_run_save(net, opt, step + 1, NULL, "run.safetensors");
           tg_end(tg, m);
       }

   And this is the same with all that one comes to want:

       static const char *const metrics[] = { "accuracy", "top5", NULL };
       tg_fit_args fit = {0};                     tg_fit_args fit = tg_fit_args(); in C++
       fit.net = net; fit.opt = opt; fit.train = train; fit.epochs = 10;
       fit.valid = valid; fit.metrics = metrics;
       fit.monitor = "accuracy"; fit.patience = 3; fit.best = "best.safetensors";
       fit.checkpoint = "run.safetensors"; fit.resume = true;
       fit.html = "curves.html"; fit.board = "runs/first";
       if (!tg_fit(&fit, NULL)) ...               why stands in the context, tg_error_text, or in the report

       epoch 3/10  step 214/469  loss 0.2741  lr 0.00094  accuracy 0.9105  18240 rows/s  0:41 to go

   A run that was stopped, by a signal too, goes on from its checkpoint where it was, in the middle of an epoch, and ends with the
   bits of the run that was not stopped, with any number of threads. Everything zero is a default.

   The optimiser says what else is to happen. L-BFGS: a step looks at the loss as often as it wants. .skip_nonfinite: a step whose
   gradients are no numbers is left out, counted and shown; without it the run ends where they or the loss are none, before the step, and
   weights and checkpoint are as they were (L-BFGS notices it after the step, before a checkpoint). Halves: tg_module_to(net, TG_BF16) and
   .master_weights; of f16 .loss_scale and .skip_nonfinite too.

   Averages of weights generalise better than the last ones. .average = tg_module_copy(net), with .ema = 0.999: it follows the net at each
   step; without .ema: the plain mean of the net at the end of each epoch (SWA), with .average_norms where it has BatchNorms. The net trains
   as if there were none; what is validated, watched and written to .best is the average, and after the run it stands in that module.

   Metrics (tg_confusion, tg_topk_hits, tg_detections) and the writer of TensorBoard's files (tg_board) stand alone as well. */
#ifndef TG_FIT_H
#define TG_FIT_H
#ifndef TENSORGRAD_H
#include "tensorgrad.h"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ======================================================================================
   metrics
   ====================================================================================== */

/* How often each class was taken for each. Targets below 0 are passed over (torch's ignore_index). *Owned*: _free. */
typedef struct tg_confusion { int64_t classes, total; int64_t *count; } tg_confusion;      /* count[true * classes + taken for] */
bool    tg_confusion_new(tg_confusion *c, int64_t classes);                 /* false: out of memory */
void    tg_confusion_free(tg_confusion *c);
bool    tg_confusion_add(tg_confusion *c, tg_tensor *scores, tg_tensor *targets);
    /* scores [N, C, ...]: the largest is the class; targets [N, ...] of any integer type. False: shapes or values do not fit,
       and nothing is counted. A NaN is the largest, here and below, as torch has it */
double  tg_confusion_accuracy(const tg_confusion *c);
double  tg_confusion_precision(const tg_confusion *c, int64_t k);
    /* of class k; NaN where there is nothing to divide by, and for a class that does not exist. k -1, here and below: the mean over the
       classes that came up, as true ones or as taken for, in which what has nothing to divide by counts 0: scikit-learn's "macro" */
double  tg_confusion_recall(const tg_confusion *c, int64_t k);
double  tg_confusion_f1(const tg_confusion *c, int64_t k);
double  tg_confusion_iou(const tg_confusion *c, int64_t k);                 /* intersection over union, Jaccard's index */
/* as a table; returns the length that is needed, as snprintf does */
size_t  tg_confusion_format(const tg_confusion *c, char *out, size_t size);

int64_t tg_topk_hits(tg_tensor *scores, tg_tensor *targets, int k, int64_t *counted);
    /* how many targets are among the k largest scores, and of how many; of equal scores the first counts as larger. -1: error */

/* Mean average precision of boxes x0, y0, x1, y1, as COCO computes it for all sizes: of each class the precision at 101 recalls,
   and the mean over the classes that have a true box; of each picture and class the 100 surest found ones count. What is true stands
   before it is asked for; tg_detections_map sorts it. All zeros begin. *Owned*: _free. */
typedef struct tg_detection { int64_t image, label; double score, box[4]; } tg_detection;
typedef struct tg_detections { tg_detection *found, *truth; int64_t n_found, n_truth, room_found, room_truth; } tg_detections;
bool    tg_detections_found(tg_detections *d, int64_t image, int64_t label, double score, const double box[4]);   /* false: out of memory */
bool    tg_detections_truth(tg_detections *d, int64_t image, int64_t label, const double box[4]);
double  tg_detections_map(tg_detections *d, double iou);
    /* of boxes that overlap by at least iou; 0: the mean over 0.5, 0.55 ... 0.95. NaN: there is no true box, or no memory */
void    tg_detections_free(tg_detections *d);

/* ======================================================================================
   TensorBoard
   ====================================================================================== */

/* Event files that TensorBoard reads. The folder is made if its parent is there. Writing errors are seen by _close. */
typedef struct tg_board tg_board;
tg_board *tg_board_open(const char *folder);                                /* *owned*; NULL: the file cannot be made */
bool tg_board_scalar(tg_board *b, const char *tag, int64_t step, double value);
bool tg_board_histogram(tg_board *b, const char *tag, int64_t step, tg_tensor *t);   /* of all elements */
bool tg_board_image(tg_board *b, const char *tag, int64_t step, tg_tensor *t);
    /* [H, W], [1, H, W] or [3, H, W], 0 to 1, or bytes */
bool tg_board_graph(tg_board *b, tg_tensor *y);                             /* the recorded calls behind y */
/* what other files of the folder have of this step and later ones does not count any more */
bool tg_board_restart(tg_board *b, int64_t step);
bool tg_board_flush(tg_board *b);
bool tg_board_close(tg_board *b);                                           /* NULL is fine */

/* ======================================================================================
   the trainer
   ====================================================================================== */

enum { TG_FIT_METRICS = 8, TG_FIT_TENSORS = 8 };
typedef enum tg_fit_event { TG_FIT_STEP, TG_FIT_VALID, TG_FIT_EPOCH, TG_FIT_SAVE, TG_FIT_RESUME, TG_FIT_END } tg_fit_event;
typedef enum tg_fit_show { TG_FIT_LINE = 0, TG_FIT_LINES, TG_FIT_QUIET } tg_fit_show;

typedef struct tg_fit_args tg_fit_args;
/* What a callback sees. */
typedef struct tg_fit_state {
    const tg_fit_args *args;
    int64_t step, steps, epoch, epochs;    /* how many are done, of how many */
    double loss, epoch_loss;               /* of the last step, and the mean of the epoch so far */
    double valid_loss;                     /* of the last validation; NaN before the first */
    double metric[TG_FIT_METRICS];         /* likewise, in the order of args.metrics */
    double best; int64_t best_step;        /* of what is watched; NaN before the first */
    int64_t bad;                           /* validations since then */
    double norm;                           /* of the gradients of the last step, before they were clipped */
    int64_t skipped;                       /* steps that were left out, as the optimiser's .skip_nonfinite wants it */
    double lr, rows_per_second, seconds, seconds_to_go;
    tg_tensor *batch[TG_FIT_TENSORS], *y;  /* at TG_FIT_STEP: the batch, of several the last, and what the net made of it; not of L-BFGS */
    tg_dict *more;                         /* at TG_FIT_SAVE and TG_FIT_RESUME: add what the run must keep, and find it again */
    tg_board *board;                       /* NULL without .board */
    const tg_confusion *confusion;
        /* of the last validation, where there is one: with "f1" or "iou", and with accuracies of at most 40 classes
           */
    const char *error;
        /* at TG_FIT_END, which comes last, once, whatever happened: why the run failed; NULL: it did not */
} tg_fit_state;

/* Returns the loss, of one element, and in *y, for metrics, what the net made; NULL where it failed. batch: a row's tensors. */
typedef tg_tensor *(*tg_fit_forward)(void *user, tg_module *net, tg_tensor *const *batch, int n, tg_tensor **y);
typedef tg_tensor *(*tg_fit_loss)(void *user, tg_tensor *y, tg_tensor *target);
typedef bool (*tg_fit_callback)(void *user, tg_fit_event event, tg_fit_state *state);       /* false ends the run, after a checkpoint */
/* The rate at a step of a group whose own rate is lr: return tg_cosine_annealing_lr(lr, step, steps, 0). Of each group its own is what the
   optimiser was made with, in a run that was resumed too, and what it has again after the run. */
typedef double (*tg_fit_schedule)(void *user, double lr, int64_t step, int64_t steps);
/* Of a validation's batch: adds what y says and what is true. Its first row is the picture `image`, the next image + 1. */
typedef bool (*tg_fit_detect)(void *user, tg_tensor *y, tg_tensor *const *batch, int n, int64_t image, tg_detections *d);

struct tg_fit_args {
    tg_module *net; tg_optim *opt; tg_data *train;                 /* needed */
    int64_t epochs;                                                /* needed, or .steps */
    int64_t accumulate;            /* a step takes so many batches, and their mean: as one large batch where the loss is a mean over rows */
    tg_module *average;            /* a tg_module_copy of the net: the average of its weights; see above */
    int64_t average_every;         /* it takes the net in after so many steps; zero: with .ema 1, else an epoch's */
    int64_t average_from;          /* for the first time after so many steps; until then it is a copy of the net */
    int64_t average_norms;         /* before it is looked at, its BatchNorms' statistics are made anew from the first so many batches of .train,
                                      torch's update_bn; zero: they are the net's, as they were when it was last taken in */
    const char *best;              /* a file: the weights of the best validation, by tg_save */
    const char *board;
        /* a folder: TensorBoard's events: losses, metrics, rate; histograms of weights; the graph; the first picture
           */
    tg_fit_callback callback;
    const char *checkpoint;        /* a file: the whole run, by tg_run_save, at each end of an epoch, at the end, and ... */
    int64_t checkpoint_every;      /* ... every so many steps */
    double clip;                   /* the gradients' norm is at most that; zero: it is left */
    double clip_value;             /* no gradient is larger than that, either way; likewise */
    tg_fit_detect detect;          /* what "map" needs */
    double ema;                    /* below 1: average = ema * average + (1 - ema) * net; zero: the mean of all that were taken in */
    tg_fit_forward forward;        /* NULL: y = tg_forward(net, batch[0]), and loss(y, batch[1]); both are carried to the net's device;
                                      of a net in f16 or bf16 batch[0] is converted to that, and y to f32 */
    const char *html;
        /* a file: curves and a table, a page that needs no other file; it is there after a run that failed, too */
    tg_fit_loss loss;              /* NULL: tg_cross_entropy. Without .forward */
    const char *const *metrics;    /* up to NULL, 8 at most: "accuracy", "top5" (any number), "f1", "iou", "perplexity" (exp of the loss),
                                      "map" (COCO's), "map50" (of overlaps from 0.5 on; any percentage). Targets are
                                      the row's last tensor */
    double min_delta;              /* what counts as better by so much */
    const char *monitor;           /* what is watched: one of the metrics; NULL: the validation's loss */
    bool monitor_falls;            /* a smaller metric is better; losses and perplexity always are so */
    int64_t patience;              /* validations without a better one, after which the run ends; zero: never */
    void (*put)(void *user, const char *text);      /* where lines go; NULL: stderr */
    bool restore_best;             /* at the end the weights of .best are loaded, into .average where there is one */
    bool resume;                   /* go on from .checkpoint, if that file is there: with the same batches, metrics and .monitor */
    int64_t scale_every;           /* an optimiser's .loss_scale, with .skip_nonfinite, doubles after so many steps without a skipped one,
                                      which halves it; zero: 2000; -1: it stays */
    tg_fit_schedule schedule;      /* NULL: the rate stays */
    tg_fit_show show;              /* a line that is rewritten; or only one line per validation; or nothing */
    int64_t steps;                 /* in place of epochs */
    int tensors;                   /* of a row; zero: 2; others need .forward */
    void *user;                    /* for all functions */
    tg_data *valid;                /* validated at each end of an epoch and ... */
    int64_t valid_every;           /* ... every so many steps */
    bool no_curves;                /* no curves as text at the end */
};
typedef struct tg_fit_report {
    int64_t steps, best_step, skipped;
    double loss, valid_loss, best, seconds, metric[TG_FIT_METRICS];
    bool resumed, stopped_early, stopped_by_callback;
    char text[256];                /* why it failed, if that stands not in the context */
} tg_fit_report;
bool tg_fit(const tg_fit_args *args, tg_fit_report *report);       /* report may be NULL */

#ifdef __cplusplus
} /* extern "C" */
#endif
#endif /* TG_FIT_H */

#if defined(TG_FIT_IMPLEMENTATION) && !defined(TG_FIT__DONE)
#define TG_FIT__DONE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if defined(_WIN32)
#include <direct.h>
#define TG_FIT__MKDIR(path) _mkdir(path)
#else
#include <sys/stat.h>
#define TG_FIT__MKDIR(path) mkdir(path, 0777)
#endif

/* ---- bytes that grow: texts, messages, pictures; `lost`: memory ran out ---- */
typedef struct tg_fit__bytes { char *at; size_t size, room; bool lost; } tg_fit__bytes;
static void tg_fit__put(tg_fit__bytes *b, const void *p, size_t n) {
    if (b->size + n + 1 > b->room) {
        const size_t room = 2 * (b->size + n + 1);
        char *at = (char *)realloc(b->at, room);
        if (!at) { b->lost = true; return; }
        b->at = at; b->room = room;
    }
    if (n) memcpy(b->at + b->size, p, n);
    b->size += n;
    b->at[b->size] = 0;
}
static void tg_fit__byte(tg_fit__bytes *b, unsigned v) { const unsigned char c = (unsigned char)v; tg_fit__put(b, &c, 1); }
static void tg_fit__text(tg_fit__bytes *b, const char *s) { tg_fit__put(b, s, strlen(s)); }
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void tg_fit__format(tg_fit__bytes *b, const char *format, ...) {         /* what is put is short; names go through _text */
    char line[256];
    va_list list;
    int n;
    va_start(list, format);
    n = vsnprintf(line, sizeof line, format, list);
    va_end(list);
    if (n > 0) tg_fit__put(b, line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
}
static double tg_fit__nan(void) {
    const uint64_t bits = (uint64_t)0x7ff8 << 48;
    double v;
    memcpy(&v, &bits, 8);
    return v;
}
static bool tg_fit__is_number(double v) {                              /* by bits: -ffast-math takes comparisons away */
    uint64_t bits;
    memcpy(&bits, &v, 8);
    return (bits >> 52 & 0x7ff) != 0x7ff;
}

/* ---- metrics ---- */
/* A tensor's numbers, converted and packed, on the host. */
static float *tg_fit__floats(tg_tensor *t) {
    float *p = t && t->numel >= 0 ? (float *)malloc((size_t)t->numel * sizeof *p + 1) : NULL;
    if (p && !tg_read_f32(t, p, t->numel)) { free(p); p = NULL; }
    return p;
}
/* scores [N, C, ...] and targets [N, ...]: what follows C is `inner` numbers; false if they do not fit together. */
static bool tg_fit__fits(const tg_tensor *scores, const tg_tensor *targets, int64_t *inner) {
    int i;
    if (!scores || !targets || scores->ndim < 2 || targets->ndim != scores->ndim - 1 ||
        scores->shape[0] != targets->shape[0] || tg_dtype_is_float(targets->dtype))
        return false;
    for (i = 2, *inner = 1; i < scores->ndim; i++) {
        if (scores->shape[i] != targets->shape[i - 1]) return false;
        *inner *= scores->shape[i];
    }
    return scores->shape[1] > 0;
}
bool tg_confusion_new(tg_confusion *c, int64_t classes) {
    c->classes = classes; c->total = 0; c->count = NULL;
    if (classes > 0 && classes < 100000) c->count = (int64_t *)calloc((size_t)classes * (size_t)classes, sizeof *c->count);
    return c->count != NULL;
}
void tg_confusion_free(tg_confusion *c) { free(c->count); c->count = NULL; }
static bool tg_fit__is_larger(float a, float b) {                      /* NaN than all numbers */
    uint32_t bits[2];
    memcpy(&bits[0], &a, 4); memcpy(&bits[1], &b, 4);
    if ((bits[1] & 0x7fffffffu) > 0x7f800000u) return false;
    return (bits[0] & 0x7fffffffu) > 0x7f800000u || a > b;
}
/* of a target with its scores, `stride` apart: the class of the largest one, and how many stand above the target's */
typedef struct tg_fit__rank { int64_t largest, above; } tg_fit__rank;
static tg_fit__rank tg_fit__rank_of(const float *scores, int64_t stride, int64_t classes, int64_t target) {
    const float own = scores[target * stride];
    tg_fit__rank r = { 0, 0 };
    int64_t k;
    for (k = 0; k < classes; k++) {
        const float v = scores[k * stride];
        if (tg_fit__is_larger(v, scores[r.largest * stride])) r.largest = k;
        if (tg_fit__is_larger(v, own) || (k < target && !tg_fit__is_larger(own, v))) r.above++;
    }
    return r;
}
/* c gets each target that counts, or hits those with fewer than k scores above; targets as floats are exact up to 2^24 classes */
static bool tg_fit__visit(tg_tensor *scores, tg_tensor *targets, tg_confusion *c, int k, int64_t *hits, int64_t *counted) {
    float *s, *t;
    int64_t inner, i, classes;
    bool ok;
    if (!tg_fit__fits(scores, targets, &inner)) return false;
    classes = scores->shape[1];
    if (c && classes > c->classes) return false;
    s = tg_fit__floats(scores); t = tg_fit__floats(targets);
    ok = s && t;
    for (i = 0; ok && i < targets->numel; i++) ok = t[i] < (float)classes;
    for (i = 0; ok && i < targets->numel; i++) {
        int64_t target;
        tg_fit__rank r;
        if (t[i] < 0) continue;
        target = (int64_t)t[i];
        r = tg_fit__rank_of(s + i / inner * classes * inner + i % inner, inner, classes, target);
        if (c) { c->count[target * c->classes + r.largest]++; c->total++; }
        if (hits) *hits += r.above < k;
        if (counted) ++*counted;
    }
    free(s); free(t);
    return ok;
}
bool tg_confusion_add(tg_confusion *c, tg_tensor *scores, tg_tensor *targets) {
    return c->count && tg_fit__visit(scores, targets, c, 0, NULL, NULL);
}
int64_t tg_topk_hits(tg_tensor *scores, tg_tensor *targets, int k, int64_t *counted) {
    int64_t hits = 0, n = 0;
    if (counted) *counted = 0;
    if (!tg_fit__visit(scores, targets, NULL, k, &hits, &n)) return -1;
    if (counted) *counted = n;
    return hits;
}
/* of class k: right, taken for it, and truly of it */
typedef struct tg_fit__sums { double right, taken, truly; } tg_fit__sums;
static tg_fit__sums tg_fit__sums_of(const tg_confusion *c, int64_t k) {
    tg_fit__sums s = { 0, 0, 0 };
    int64_t i;
    for (i = 0; i < c->classes; i++) { s.taken += (double)c->count[i * c->classes + k]; s.truly += (double)c->count[k * c->classes + i]; }
    s.right = (double)c->count[k * c->classes + k];
    return s;
}
static double tg_fit__ratio(double a, double b) { return b > 0 ? a / b : tg_fit__nan(); }
double tg_confusion_accuracy(const tg_confusion *c) {
    double right = 0;
    int64_t k;
    for (k = 0; c->count && k < c->classes; k++) right += (double)c->count[k * c->classes + k];
    return tg_fit__ratio(right, (double)c->total);
}
/* what `of` makes of class k; k -1: of all that came up, the mean */
static double tg_fit__score(const tg_confusion *c, int64_t k, double (*of)(const tg_fit__sums *s)) {
    double sum = 0, n = 0, v;
    tg_fit__sums s;
    if (!c->count || k < -1 || k >= c->classes) return tg_fit__nan();
    if (k >= 0) { s = tg_fit__sums_of(c, k); return of(&s); }
    for (k = 0; k < c->classes; k++) {
        s = tg_fit__sums_of(c, k);
        if (s.taken + s.truly <= 0) continue;
        v = of(&s);
        if (tg_fit__is_number(v)) sum += v;
        n++;
    }
    return tg_fit__ratio(sum, n);
}
static double tg_fit__precision(const tg_fit__sums *s) { return tg_fit__ratio(s->right, s->taken); }
static double tg_fit__recall(const tg_fit__sums *s) { return tg_fit__ratio(s->right, s->truly); }
static double tg_fit__f1(const tg_fit__sums *s) { return tg_fit__ratio(2 * s->right, s->taken + s->truly); }
static double tg_fit__iou(const tg_fit__sums *s) { return tg_fit__ratio(s->right, s->taken + s->truly - s->right); }
double tg_confusion_precision(const tg_confusion *c, int64_t k) { return tg_fit__score(c, k, tg_fit__precision); }
double tg_confusion_recall(const tg_confusion *c, int64_t k) { return tg_fit__score(c, k, tg_fit__recall); }
double tg_confusion_f1(const tg_confusion *c, int64_t k) { return tg_fit__score(c, k, tg_fit__f1); }
double tg_confusion_iou(const tg_confusion *c, int64_t k) { return tg_fit__score(c, k, tg_fit__iou); }
size_t tg_confusion_format(const tg_confusion *c, char *out, size_t size) {
    tg_fit__bytes b = { NULL, 0, 0, false };
    int64_t i, k;
    size_t n;
    tg_fit__text(&b, " true\\taken");
    for (k = 0; c->count && k < c->classes; k++) tg_fit__format(&b, " %7.0f", (double)k);
    tg_fit__text(&b, "   recall\n");
    for (i = 0; c->count && i < c->classes; i++) {
        tg_fit__format(&b, "%11.0f", (double)i);
        for (k = 0; k < c->classes; k++) tg_fit__format(&b, " %7.0f", (double)c->count[i * c->classes + k]);
        tg_fit__format(&b, "  %7.4f\n", tg_confusion_recall(c, i));
    }
    n = b.size;
    if (size) {
        const size_t most = n < size ? n : size - 1;
        if (most) memcpy(out, b.at, most);
        out[most] = 0;
    }
    free(b.at);
    return n;
}

/* ---- detections ---- */
static bool tg_fit__detection_add(tg_detection **list, int64_t *n, int64_t *room, int64_t image, int64_t label,
    double score, const double box[4]) {
    if (*n == *room) {
        const int64_t more = *room ? 2 * *room : 64;
        tg_detection *p = (tg_detection *)realloc(*list, (size_t)more * sizeof *p);
        if (!p) return false;
        *list = p; *room = more;
    }
    /* so that they can be sorted */
    (*list)[*n].image = image; (*list)[*n].label = label; (*list)[*n].score = tg_fit__is_number(score) ? score : -1e300;
    memcpy((*list)[(*n)++].box, box, 4 * sizeof *box);
    return true;
}
bool tg_detections_found(tg_detections *d, int64_t image, int64_t label, double score, const double box[4]) {
    return tg_fit__detection_add(&d->found, &d->n_found, &d->room_found, image, label, score, box);
}
bool tg_detections_truth(tg_detections *d, int64_t image, int64_t label, const double box[4]) {
    return tg_fit__detection_add(&d->truth, &d->n_truth, &d->room_truth, image, label, 0, box);
}
void tg_detections_free(tg_detections *d) {
    free(d->found); free(d->truth);
    memset(d, 0, sizeof *d);
}
static double tg_fit__overlap(const double *a, const double *b) {
    const double w = (a[2] < b[2] ? a[2] : b[2]) - (a[0] > b[0] ? a[0] : b[0]),
        h = (a[3] < b[3] ? a[3] : b[3]) - (a[1] > b[1] ? a[1] : b[1]), both = w > 0 && h > 0 ? w * h : 0;
    return tg_fit__ratio(both, (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both);
}
/* classes together, then the surest first; what is equal stays in its order, by the address */
static int tg_fit__surer(const void *p, const void *q) {
    const tg_detection *a = *(const tg_detection *const *)p, *b = *(const tg_detection *const *)q;
    if (a->label != b->label) return a->label < b->label ? -1 : 1;
    if (a->score != b->score) return a->score > b->score ? -1 : 1;
    return a < b ? -1 : a > b;
}
static int tg_fit__places(const void *p, const void *q) {              /* truth by class, then picture */
    const tg_detection *a = (const tg_detection *)p, *b = (const tg_detection *)q;
    if (a->label != b->label) return a->label < b->label ? -1 : 1;
    return a->image < b->image ? -1 : a->image > b->image;
}
/* classes together, then pictures, then the surest first */
static int tg_fit__by_picture(const void *p, const void *q) {
    const tg_detection *a = *(const tg_detection *const *)p, *b = *(const tg_detection *const *)q;
    if (a->label == b->label && a->image != b->image) return a->image < b->image ? -1 : 1;
    return tg_fit__surer(p, q);
}
/* Of each class and picture the 100 surest stay. */
static int64_t tg_fit__surest(tg_detection **found, int64_t n) {
    int64_t i, kept = 0, same = 0;
    if (n) qsort(found, (size_t)n, sizeof *found, tg_fit__by_picture);
    for (i = 0; i < n; i++) {
        same = i && found[i]->label == found[i - 1]->label && found[i]->image == found[i - 1]->image ? same + 1 : 0;
        if (same < 100) found[kept++] = found[i];
    }
    return kept;
}
/* Of one class: found[0..n) the surest first, truth[0..m) by picture. */
static double tg_fit__average_precision(tg_detection **found, int64_t n, const tg_detection *truth, int64_t m,
    double iou, bool *used, double *precision, double *recall) {
    double right = 0, sum = 0;
    int64_t i, k, at;
    int r;
    for (k = 0; k < m; k++) used[k] = false;
    for (i = 0; i < n; i++) {
        int64_t best = -1, low = 0, high = m;
        double most = iou - 1e-10;
        while (low < high) { const int64_t mid = (low + high) / 2; if (truth[mid].image < found[i]->image) low = mid + 1; else high = mid; }
        for (k = low; k < m && truth[k].image == found[i]->image; k++) {
            const double v = used[k] ? 0 : tg_fit__overlap(found[i]->box, truth[k].box);
            if (!used[k] && v >= most) { most = v; best = k; }
        }
        if (best >= 0) { used[best] = true; right++; }
        precision[i] = right / (double)(i + 1); recall[i] = right / (double)m;
    }
    for (i = n - 2; i >= 0; i--) if (precision[i] < precision[i + 1]) precision[i] = precision[i + 1];
    for (r = 0, at = 0; r <= 100; r++) {
        while (at < n && recall[at] < r / 100.0 - 1e-12) at++;
        if (at < n) sum += precision[at];
    }
    return sum / 101;
}
double tg_detections_map(tg_detections *d, double iou) {
    tg_detection **found;
    double *curve, sum = 0, n = 0;
    bool *used;
    int64_t i, n_found, f = 0, t, t_end, f_end;
    if (iou <= 0) {
        for (i = 0; i < 10; i++) sum += tg_detections_map(d, 0.5 + 0.05 * (double)i);
        return sum / 10;
    }
    if (d->n_truth == 0) return tg_fit__nan();
    qsort(d->truth, (size_t)d->n_truth, sizeof *d->truth, tg_fit__places);
    found = (tg_detection **)malloc((size_t)(d->n_found + 1) * sizeof *found);
    curve = (double *)malloc((size_t)(d->n_found + 1) * 2 * sizeof *curve);
    used = (bool *)malloc((size_t)d->n_truth * sizeof *used);
    for (i = 0; found && i < d->n_found; i++) found[i] = &d->found[i];
    n_found = found ? tg_fit__surest(found, d->n_found) : 0;
    if (n_found) qsort(found, (size_t)n_found, sizeof *found, tg_fit__surer);
    for (t = 0; found && curve && used && t < d->n_truth; t = t_end) {
        for (t_end = t; t_end < d->n_truth && d->truth[t_end].label == d->truth[t].label; t_end++) { }
        while (f < n_found && found[f]->label < d->truth[t].label) f++;
        for (f_end = f; f_end < n_found && found[f_end]->label == d->truth[t].label; f_end++) { }
        sum += tg_fit__average_precision(found + f, f_end - f, d->truth + t, t_end - t, iou, used, curve, curve + d->n_found + 1);
        n++;
    }
    free(found); free(curve); free(used);
    return tg_fit__ratio(sum, n);
}

/* ---- checksums: CRC-32C for events, CRC-32 and Adler-32 for pictures; bit by bit: few bytes go through ---- */
static uint32_t tg_fit__crc(uint32_t crc, uint32_t poly, const void *p, size_t n) {
    const unsigned char *s = (const unsigned char *)p;
    size_t i;
    int k;
    for (i = 0, crc = ~crc; i < n; i++) for (k = 0, crc ^= s[i]; k < 8; k++) crc = crc >> 1 ^ (crc & 1 ? poly : 0);
    return ~crc;
}
static uint32_t tg_fit__masked(const void *p, size_t n) {
    const uint32_t crc = tg_fit__crc(0, 0x82f63b78u, p, n);
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}
static void tg_fit__low_first(tg_fit__bytes *b, uint64_t v, int n) { for (; n > 0; n--, v >>= 8) tg_fit__byte(b, (unsigned)(v & 255)); }
static void tg_fit__high_first(tg_fit__bytes *b, uint32_t v) { int k; for (k = 24; k >= 0; k -= 8) tg_fit__byte(b, v >> k & 255); }

/* ---- protocol buffers: a field's number and kind, then its value ---- */
static void tg_fit__varint(tg_fit__bytes *b, uint64_t v) {
    for (; v > 127; v >>= 7) tg_fit__byte(b, (unsigned)(v & 127) | 128);
    tg_fit__byte(b, (unsigned)v);
}
static void tg_fit__whole(tg_fit__bytes *b, int field, int64_t v) {
    tg_fit__varint(b, (uint64_t)field << 3); tg_fit__varint(b, (uint64_t)v);
}
static void tg_fit__double(tg_fit__bytes *b, int field, double v) {
    uint64_t bits;
    memcpy(&bits, &v, 8);
    tg_fit__varint(b, (uint64_t)field << 3 | 1);
    tg_fit__low_first(b, bits, 8);
}
static void tg_fit__float(tg_fit__bytes *b, int field, double v) {
    const float f = (float)v;
    uint32_t bits;
    memcpy(&bits, &f, 4);
    tg_fit__varint(b, (uint64_t)field << 3 | 5);
    tg_fit__low_first(b, bits, 4);
}
static void tg_fit__string(tg_fit__bytes *b, int field, const void *p, size_t n) {
    tg_fit__varint(b, (uint64_t)field << 3 | 2);
    tg_fit__varint(b, n);
    tg_fit__put(b, p, n);
}
/* The length of the character of UTF-8 at s; 0: that is none. */
static size_t tg_fit__character(const unsigned char *s) {
    const size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : s[0] >= 0xe0 &&
        s[0] < 0xf0 ? 3 : s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;
    size_t i;
    for (i = 1; i < n; i++) if ((s[i] & 0xc0) != 0x80) return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
        (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}
/* Readers refuse a whole file for a name that is not UTF-8: such bytes become question marks. */
static void tg_fit__clean(tg_fit__bytes *b, const char *name) {
    const unsigned char *s = (const unsigned char *)name;
    size_t n;
    for (; *s; s += n ? n : 1) { n = tg_fit__character(s); if (n) tg_fit__put(b, s, n); else tg_fit__text(b, "?"); }
}
static void tg_fit__name(tg_fit__bytes *b, int field, const char *name) {
    tg_fit__bytes clean = { NULL, 0, 0, false };
    tg_fit__clean(&clean, name);
    tg_fit__string(b, field, clean.at, clean.size);
    b->lost |= clean.lost;
    free(clean.at);
}
/* a message inside another; it is emptied */
static void tg_fit__message(tg_fit__bytes *b, int field, tg_fit__bytes *inner) {
    tg_fit__string(b, field, inner->at, inner->size);
    b->lost |= inner->lost;
    free(inner->at);
    memset(inner, 0, sizeof *inner);
}

struct tg_board { FILE *file; bool failed; };
/* A record: its length, the checksum of that, the event, the checksum of that. */
static bool tg_fit__event(tg_board *b, int64_t step, int field, tg_fit__bytes *content) {
    tg_fit__bytes event = { NULL, 0, 0, false }, head = { NULL, 0, 0, false };
    bool ok;
    tg_fit__double(&event, 1, (double)time(NULL));
    if (step) tg_fit__whole(&event, 2, step);
    tg_fit__message(&event, field, content);
    tg_fit__low_first(&head, event.size, 8);
    if (!head.lost) tg_fit__low_first(&head, tg_fit__masked(head.at, 8), 4);
    ok = b->file && !event.lost && !head.lost && fwrite(head.at, 1, head.size, b->file) == head.size &&
        fwrite(event.at, 1, event.size, b->file) == event.size;
    if (ok) {
        const uint32_t sum = tg_fit__masked(event.at, event.size);
        int k;
        for (k = 0; k < 32; k += 8) ok = ok && putc((int)(sum >> k & 255), b->file) != EOF;
    }
    free(event.at); free(head.at);
    if (!ok) b->failed = true;
    return ok;
}
tg_board *tg_board_open(const char *folder) {
    tg_board *b = folder ? (tg_board *)calloc(1, sizeof *b) : NULL;
    tg_fit__bytes path = { NULL, 0, 0, false }, version = { NULL, 0, 0, false };
    FILE *there = NULL;
    int serial = 0;
    if (!b) return NULL;
    (void)TG_FIT__MKDIR(folder);
    do {                                                                   /* two runs may begin in one second */
        if (there) fclose(there);
        path.size = 0;
        tg_fit__text(&path, folder);
        tg_fit__format(&path, "/events.out.tfevents.%010.0f.tensorgrad.%d", (double)time(NULL), serial++);
    } while (!path.lost && (there = fopen(path.at, "rb")) != NULL);
    b->file = path.lost ? NULL : fopen(path.at, "wb");
    free(path.at);
    if (!b->file) { free(b); return NULL; }
    tg_fit__text(&version, "brain.Event:2");
    (void)tg_fit__event(b, 0, 3, &version);
    return b;
}
bool tg_board_restart(tg_board *b, int64_t step) {                      /* the log of sessions: one begins here */
    tg_fit__bytes session = { NULL, 0, 0, false };
    if (!b) return false;
    tg_fit__whole(&session, 1, 1);
    return tg_fit__event(b, step, 7, &session);
}
bool tg_board_flush(tg_board *b) {
    if (b && fflush(b->file) != 0) b->failed = true;
    return b && !b->failed;
}
bool tg_board_close(tg_board *b) {
    bool ok;
    if (!b) return true;
    ok = !b->failed;
    if (fclose(b->file) != 0) ok = false;
    free(b);
    return ok;
}
/* A summary of one value, whose tag is there and whose content is `inner` as that field. */
static bool tg_fit__summary(tg_board *b, const char *tag, int64_t step, int field, tg_fit__bytes *inner) {
    tg_fit__bytes value = { NULL, 0, 0, false }, summary = { NULL, 0, 0, false };
    tg_fit__name(&value, 1, tag);
    tg_fit__message(&value, field, inner);
    tg_fit__message(&summary, 1, &value);
    return tg_fit__event(b, step, 5, &summary);
}
bool tg_board_scalar(tg_board *b, const char *tag, int64_t step, double v) {
    tg_fit__bytes value = { NULL, 0, 0, false }, summary = { NULL, 0, 0, false };
    if (!b || !tag) return false;
    tg_fit__name(&value, 1, tag);
    tg_fit__float(&value, 2, v);
    tg_fit__message(&summary, 1, &value);
    return tg_fit__event(b, step, 5, &summary);
}
/* 30 buckets of one width; what is no number is left out. */
bool tg_board_histogram(tg_board *b, const char *tag, int64_t step, tg_tensor *t) {
    enum { BUCKETS = 30 };
    float *p = b && t && tag ? tg_fit__floats(t) : NULL;
    double low = 0, high = 0, sum = 0, squares = 0, count[BUCKETS];
    int64_t i, n = 0;
    int k;
    tg_fit__bytes h = { NULL, 0, 0, false }, list = { NULL, 0, 0, false };
    if (!p) return false;
    memset(count, 0, sizeof count);
    for (i = 0; i < t->numel; i++) {
        const double v = (double)p[i];
        if (!tg_fit__is_number(v)) continue;
        if (n == 0 || v < low) low = v;
        if (n == 0 || v > high) high = v;
        sum += v; squares += v * v; n++;
    }
    for (i = 0; i < t->numel; i++) if (tg_fit__is_number((double)p[i])) {
        k = high > low ? (int)(((double)p[i] - low) / (high - low) * (double)BUCKETS) : 0;
        count[k < BUCKETS ? k : BUCKETS - 1]++;
    }
    free(p);
    tg_fit__double(&h, 1, low); tg_fit__double(&h, 2, high); tg_fit__double(&h, 3, (double)n);
    tg_fit__double(&h, 4, sum); tg_fit__double(&h, 5, squares);
    for (k = 0; k < 2; k++) {
        int bucket;
        for (bucket = 0; bucket < BUCKETS; bucket++) {
            const double v = k ? count[bucket] : bucket == BUCKETS - 1 ? high : low + (high - low) * (double)(bucket + 1) / (double)BUCKETS;
            uint64_t bits;
            memcpy(&bits, &v, 8);
            tg_fit__low_first(&list, bits, 8);
        }
        tg_fit__message(&h, 6 + k, &list);
    }
    return tg_fit__summary(b, tag, step, 5, &h);
}

/* ---- PNG, its bytes not compressed ---- */
static void tg_fit__chunk(tg_fit__bytes *b, const char *kind, const tg_fit__bytes *data) {
    const size_t n = data ? data->size : 0;
    size_t from;
    tg_fit__high_first(b, (uint32_t)n);
    from = b->size;
    tg_fit__put(b, kind, 4);
    if (n) tg_fit__put(b, data->at, n);
    if (!b->lost) tg_fit__high_first(b, tg_fit__crc(0, 0xedb88320u, b->at + from, n + 4));
}
static void tg_fit__png(tg_fit__bytes *b, const unsigned char *pixels, int64_t w, int64_t h, int channels) {
    tg_fit__bytes head = { NULL, 0, 0, false }, raw = { NULL, 0, 0, false }, packed = { NULL, 0, 0, false };
    const size_t row = (size_t)w * (size_t)channels;
    uint32_t a1 = 1, a2 = 0;
    size_t i, n;
    int64_t y;
    tg_fit__high_first(&head, (uint32_t)w); tg_fit__high_first(&head, (uint32_t)h);
    tg_fit__byte(&head, 8); tg_fit__byte(&head, channels == 3 ? 2 : 0); tg_fit__byte(&head, 0);
    tg_fit__byte(&head, 0); tg_fit__byte(&head, 0);
    for (y = 0; y < h; y++) { tg_fit__byte(&raw, 0); tg_fit__put(&raw, pixels + (size_t)y * row, row); }
    tg_fit__byte(&packed, 0x78); tg_fit__byte(&packed, 1);
    for (i = 0; !raw.lost && i < raw.size; i += n) {                       /* blocks of at most 65535 bytes, as they are */
        n = raw.size - i < 65535 ? raw.size - i : 65535;
        tg_fit__byte(&packed, i + n == raw.size);
        tg_fit__low_first(&packed, n, 2); tg_fit__low_first(&packed, ~(uint64_t)n & 0xffff, 2);
        tg_fit__put(&packed, raw.at + i, n);
    }
    for (i = 0; !raw.lost && i < raw.size; i++) { a1 = (a1 + (unsigned char)raw.at[i]) % 65521; a2 = (a2 + a1) % 65521; }
    tg_fit__high_first(&packed, a2 << 16 | a1);
    tg_fit__put(b, "\x89PNG\r\n\x1a\n", 8);
    tg_fit__chunk(b, "IHDR", &head); tg_fit__chunk(b, "IDAT", &packed); tg_fit__chunk(b, "IEND", NULL);
    b->lost |= raw.lost || packed.lost || head.lost;
    free(head.at); free(raw.at); free(packed.at);
}
bool tg_board_image(tg_board *b, const char *tag, int64_t step, tg_tensor *t) {
    tg_fit__bytes image = { NULL, 0, 0, false }, png = { NULL, 0, 0, false };
    const int64_t channels = t && t->ndim == 3 ? t->shape[0] : 1;
    int64_t w, h, i;
    unsigned char *pixels;
    float *p;
    if (!b || !tag || !t || t->ndim < 2 || t->ndim > 3 || (channels != 1 && channels != 3)) return false;
    w = t->shape[t->ndim - 1]; h = t->shape[t->ndim - 2];
    if (w < 1 || h < 1 || w > 65535 || h > 65535) return false;
    p = tg_fit__floats(t); pixels = (unsigned char *)malloc((size_t)t->numel);
    if (p && pixels) {
        for (i = 0; i < t->numel; i++) {
            const double v = t->dtype == TG_U8 ? (double)p[i] : (double)p[i] * 255;
            pixels[i % (w * h) * channels + i / (w * h)] = (unsigned char)(v >= 255 ? 255 : v > 0 ? v + 0.5 : 0);
        }
        tg_fit__png(&png, pixels, w, h, (int)channels);
    } else png.lost = true;
    free(p); free(pixels);
    tg_fit__whole(&image, 1, h); tg_fit__whole(&image, 2, w); tg_fit__whole(&image, 3, channels);
    tg_fit__message(&image, 4, &png);
    return tg_fit__summary(b, tag, step, 4, &image);
}

/* ---- the graph: a node for each recorded call, and for each leaf one that has no input ---- */
static void tg_fit__shape(tg_fit__bytes *node, int ndim, const int64_t *shape) {      /* the attribute "_output_shapes" */
    tg_fit__bytes dims = { NULL, 0, 0, false }, dim = { NULL, 0, 0, false }, list = { NULL, 0, 0, false },
        value = { NULL, 0, 0, false }, entry = { NULL, 0, 0, false };
    int i;
    for (i = 0; i < ndim; i++) { tg_fit__whole(&dim, 1, shape[i]); tg_fit__message(&dims, 2, &dim); }
    tg_fit__message(&list, 7, &dims);
    tg_fit__message(&value, 1, &list);
    tg_fit__string(&entry, 1, "_output_shapes", 14);
    tg_fit__message(&entry, 2, &value);
    tg_fit__message(node, 5, &entry);
}
bool tg_board_graph(tg_board *b, tg_tensor *y) {
    tg_fit__bytes graph = { NULL, 0, 0, false }, node = { NULL, 0, 0, false }, version = { NULL, 0, 0, false },
        name = { NULL, 0, 0, false };
    tg_tape_entry *e;
    const int64_t *shape;
    uint64_t from;
    int i, k, n, ndim;
    if (!b || !y) return false;
    n = tg_tape(y, NULL, 0);
    e = (tg_tape_entry *)malloc((size_t)(n + 1) * sizeof *e);
    if (!e) return false;
    n = tg_tape(y, e, n);
    for (i = n - 1; i >= 0; i--) {
        tg_fit__bytes inputs = { NULL, 0, 0, false };
        for (k = 0; k < e[i].n_in; k++) {
            int source = n;
            if ((ndim = tg_tape_input(&e[i], k, &shape, &from)) < 0) continue;      /* an operand that is not given */
            name.size = 0;
            if (from) for (source = 0; source < n && e[source].number != from; source++) { }
            if (source < n) { tg_fit__clean(&name, e[source].op); tg_fit__format(&name, "_%.0f", (double)from); }
            else {                                                          /* what nobody recorded: a parameter, or data */
                tg_fit__clean(&name, e[i].op);
                tg_fit__format(&name, "_%.0f/operand_%d", (double)e[i].number, k);
                tg_fit__string(&node, 1, name.at, name.size);
                tg_fit__string(&node, 2, "Const", 5);
                tg_fit__shape(&node, ndim, shape);
                tg_fit__message(&graph, 1, &node);
            }
            tg_fit__string(&inputs, 3, name.at, name.size);
        }
        name.size = 0;
        tg_fit__clean(&name, e[i].op); tg_fit__format(&name, "_%.0f", (double)e[i].number);
        tg_fit__string(&node, 1, name.at, name.size);
        tg_fit__name(&node, 2, e[i].op);
        tg_fit__put(&node, inputs.at, inputs.size);
        node.lost |= inputs.lost || name.lost;
        free(inputs.at);
        tg_fit__message(&graph, 1, &node);
    }
    free(e); free(name.at);
    tg_fit__whole(&version, 1, 22);
    tg_fit__message(&graph, 4, &version);
    return tg_fit__event(b, 0, 4, &graph);
}

/* ---- the run ---- */
typedef enum tg_fit__kind { TG_FIT__TOP, TG_FIT__F1, TG_FIT__IOU, TG_FIT__PERPLEXITY, TG_FIT__MAP } tg_fit__kind;
/* Points of a curve: rows of `width` numbers, the step first. */
typedef struct tg_fit__curve { double *at; int64_t n, room; int width; } tg_fit__curve;
typedef struct tg_fit__run {
    const tg_fit_args *a;
    tg_ctx *tg;
    tg_fit_state s;
    tg_fit_report r;
    int n_metrics, tensors, monitor;               /* monitor: number of a metric; -1: the loss */
    tg_fit__kind kind[TG_FIT_METRICS];
    int number[TG_FIT_METRICS];                    /* of topK its K; of a mAP the percentage of overlap */
    tg_confusion confusion;
    tg_detections detections;
    int64_t image;                                 /* pictures before this batch of a validation */
    double hits[TG_FIT_METRICS], counted[TG_FIT_METRICS];
    int64_t per_epoch, point_every, accumulate;    /* steps of an epoch, of a point of the curve; batches of a step */
    double epoch_sum, epoch_rows, point_sum, point_n;
    bool lbfgs, skips, scales, halves;             /* what the optimiser wants; and the net's own type, where it is of halves */
    tg_dtype half;
    tg_device device;
    tg_module *net;                                /* whose turn it is: a->net, or its average */
    double *rate; int rates;                       /* of each group its own, without the schedule */
    double averaged;                               /* how often the average took the net in */
    bool renewed;                                  /* its norms know these weights */
    double scale, step_rows;                       /* of this step: the loss's scale, its rows; of the last batch: its rows */
    double batch_rows, good;                       /* good: steps since the scale changed */
    bool drawn;                                    /* the graph, on the board */
    int64_t in_a_row;                              /* steps that were skipped, one after the other */
    tg_fit__curve train, valid;
    double begun, before, shown, rows;             /* clock: of this call, of the calls before it, of the last line; rows since begun */
    int64_t begun_step, saved;                     /* saved: the step of the last checkpoint */
    size_t width;                                  /* of the line that stands */
    bool stop;
} tg_fit__run;

static bool tg_fit__fail(tg_fit__run *f, const char *text) {
    if (!f->r.text[0]) { strncpy(f->r.text, text, sizeof f->r.text - 1); if (!tg_failed(f->tg)) tg_say(f->tg, TG_LOG_ERROR, text); }
    return false;
}
static bool tg_fit__point(tg_fit__run *f, tg_fit__curve *c, const double *row) {
    if (c->n == c->room) {
        const int64_t room = c->room ? 2 * c->room : 64;
        double *p = (double *)realloc(c->at, (size_t)room * (size_t)c->width * sizeof *p);
        if (!p) return tg_fit__fail(f, "tg_fit: out of memory");
        c->at = p; c->room = room;
    }
    memcpy(c->at + c->n++ * c->width, row, (size_t)c->width * sizeof *row);
    return true;
}
/* false: it asked for an end, or it failed. */
static bool tg_fit__call(tg_fit__run *f, tg_fit_event event) {
    if (!f->a->callback || tg_failed(f->tg)) return !tg_failed(f->tg);
    if (!f->a->callback(f->a->user, event, &f->s)) { f->stop = true; f->r.stopped_by_callback = true; }
    return !tg_failed(f->tg);
}

/* ---- lines ---- */
static void tg_fit__say(tg_fit__run *f, const char *text) {
    if (f->a->put) f->a->put(f->a->user, text);
    else { fputs(text, stderr); fflush(stderr); }
}
static void tg_fit__duration(tg_fit__bytes *b, double seconds) {
    const long s = seconds > 0 && seconds < 1e8 ? (long)(seconds + 0.5) : 0;
    if (s >= 3600) tg_fit__format(b, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    else tg_fit__format(b, "%ld:%02ld", s / 60, s % 60);
}
/* Over the line that stands; a whole line stays. */
static void tg_fit__line(tg_fit__run *f, tg_fit__bytes *b, bool whole) {
    tg_fit__bytes out = { NULL, 0, 0, false };
    size_t width = b->size;
    if (f->a->show == TG_FIT_LINE) tg_fit__text(&out, "\r");
    tg_fit__put(&out, b->at, b->size);
    for (; f->a->show == TG_FIT_LINE && width < f->width; width++) tg_fit__text(&out, " ");
    if (whole) tg_fit__text(&out, "\n");
    f->width = whole ? 0 : b->size;
    if (out.at && !out.lost && f->a->show != TG_FIT_QUIET) tg_fit__say(f, out.at);
    free(out.at); free(b->at);
    memset(b, 0, sizeof *b);
}
static void tg_fit__clock(tg_fit__run *f) {
    const double here = tg_seconds(f->tg) - f->begun;
    const int64_t done = f->s.step - f->begun_step;
    f->s.seconds = f->before + here;
    f->s.rows_per_second = here > 0 ? f->rows / here : 0;
    f->s.seconds_to_go = done > 0 ? here / (double)done * (double)(f->s.steps - f->s.step) : 0;
}
static void tg_fit__progress(tg_fit__run *f) {
    tg_fit__bytes b = { NULL, 0, 0, false };
    const double now = tg_seconds(f->tg);
    const int shown = f->monitor > 0 ? f->monitor : 0;
    tg_fit__clock(f);
    if (f->a->show != TG_FIT_LINE || (now - f->shown < 0.1 && now >= f->shown)) return;
    f->shown = now;
    tg_fit__format(&b, "epoch %.0f/%.0f  step %.0f/%.0f  loss %.4g  lr %.3g  ", (double)f->s.epoch + 1,
        (double)f->s.epochs, (double)((f->s.step - 1) % f->per_epoch + 1), (double)f->per_epoch,
        tg_fit__ratio(f->epoch_sum, f->epoch_rows), f->s.lr);
    if (f->n_metrics && tg_fit__is_number(f->s.metric[shown])) {             /* the last validation's */
        tg_fit__text(&b, f->a->metrics[shown]);
        tg_fit__format(&b, " %.4f  ", f->s.metric[shown]);
    }
    if (f->s.skipped) tg_fit__format(&b, "skipped %.0f  ", (double)f->s.skipped);
    tg_fit__format(&b, "%.0f rows/s  ", f->s.rows_per_second);
    tg_fit__duration(&b, f->s.seconds_to_go);
    tg_fit__text(&b, " to go");
    tg_fit__line(f, &b, false);
}
static void tg_fit__validation_line(tg_fit__run *f) {                             /* the line of a validation */
    tg_fit__bytes b = { NULL, 0, 0, false };
    int k;
    tg_fit__format(&b, "epoch %.0f/%.0f  step %.0f  loss %.4f", (double)((f->s.step - 1) / f->per_epoch + 1),
        (double)f->s.epochs, (double)f->s.step, f->s.epoch_loss);
    if (f->a->valid) tg_fit__format(&b, "  valid %.4f", f->s.valid_loss);
    for (k = 0; f->a->valid && k < f->n_metrics; k++) {
        tg_fit__text(&b, "  "); tg_fit__text(&b, f->a->metrics[k]); tg_fit__format(&b, " %.4f", f->s.metric[k]);
    }
    if (f->s.skipped) tg_fit__format(&b, "  skipped %.0f", (double)f->s.skipped);
    tg_fit__format(&b, "  %.0f rows/s  ", f->s.rows_per_second);
    tg_fit__duration(&b, f->s.seconds);
    if (f->s.best_step == f->s.step) tg_fit__text(&b, "  *");
    tg_fit__line(f, &b, true);
}

/* ---- one batch: the loss as a tensor; s.batch and s.y are filled ---- */
static tg_tensor *tg_fit__there(tg_fit__run *f, tg_tensor *x) { return x && x->device != f->device ? tg_to_device(x, f->device) : x; }
static tg_tensor *tg_fit__as_net(tg_fit__run *f, tg_tensor *x) {
    x = tg_fit__there(f, x);
    return f->halves && x && tg_dtype_is_float(x->dtype) ? tg_to(x, f->half) : x;
}
static tg_tensor *tg_fit__forward(tg_fit__run *f, tg_data *data, int64_t step) {
    tg_tensor **out[TG_FIT_TENSORS], *y = NULL, *loss;
    int k;
    for (k = 0; k < f->tensors; k++) out[k] = &f->s.batch[k];
    if (!tg_batch_of(data, step, out, f->tensors)) return NULL;
    f->batch_rows = f->s.batch[0]->ndim ? (double)f->s.batch[0]->shape[0] : 1;
    if (f->a->forward) loss = f->a->forward(f->a->user, f->net, f->s.batch, f->tensors, &y);
    else {
        tg_tensor *target = tg_fit__there(f, f->s.batch[1]);
        y = tg_forward(f->net, tg_fit__as_net(f, f->s.batch[0]));
        if (f->halves) y = tg_to(y, TG_F32);                              /* losses are sums, which halves are too coarse for */
        if (f->a->loss) loss = f->a->loss(f->a->user, y, target);
        else loss = tg_cross_entropy(y, target && target->dtype == TG_U8 ? tg_to(target, TG_I64) : target);
    }
    f->s.y = y;
    if (!loss && !tg_failed(f->tg)) (void)tg_fit__fail(f, "tg_fit: the forward function gave no loss");
    if (loss && loss->numel != 1) { (void)tg_fit__fail(f, "tg_fit: a loss is of one element"); return NULL; }
    return loss;
}
/* ---- one step: so many batches, first to last - 1, whose gradients are added up ---- */
/* the first batch of a step; steps do not reach from one epoch into the next */
static int64_t tg_fit__first(const tg_fit__run *f, int64_t step) {
    return step / f->per_epoch * tg_data_steps(f->a->train) + step % f->per_epoch * f->accumulate;
}
static int64_t tg_fit__last(const tg_fit__run *f, int64_t step) {
    const int64_t last = tg_fit__first(f, step) + f->accumulate, end = (step / f->per_epoch + 1) * tg_data_steps(f->a->train);
    return last < end ? last : end;
}
static double tg_fit__rows(tg_fit__run *f, int64_t batch) {             /* of a batch that is not made yet */
    int64_t low = 0, high = 1;
    while (tg_data_row(f->a->train, batch, high) >= 0) { low = high; high *= 2; }
    while (high - low > 1) {
        const int64_t mid = low + (high - low) / 2;
        if (tg_data_row(f->a->train, batch, mid) >= 0) low = mid;
        else high = mid;
    }
    return (double)high;
}
static void tg_fit__let_go(tg_fit__run *f) {                            /* what a callback has seen */
    int k;
    for (k = 0; k < TG_FIT_TENSORS; k++) { tg_drop(f->s.batch[k]); f->s.batch[k] = NULL; }
    tg_drop(f->s.y);
    f->s.y = NULL;
}
/* Adds a batch's part to the gradients, and returns its loss. */
static double tg_fit__add(tg_fit__run *f, int64_t batch, double rows) {
    tg_mark m = tg_begin(f->tg);
    tg_tensor *loss = tg_fit__forward(f, f->a->train, batch), *seed = NULL;
    double v = tg_fit__nan(), weight;
    int k;
    if (loss && f->s.step == 0 && batch == 0 && f->s.board && !f->drawn) {
        f->drawn = true;
        (void)tg_board_graph(f->s.board, loss);
        if (f->s.batch[0]->ndim == 4) (void)tg_board_image(f->s.board, "batch", 0, tg_select(f->s.batch[0], 0, 0));
    }
    weight = f->scale * (rows > 0 ? f->batch_rows / rows : 1);
    if (loss && (weight < 1 || weight > 1)) seed = tg_to_device(tg_full(f->tg, loss->ndim, loss->shape, weight, loss->dtype), loss->device);
    if (loss) {
        tg_backward_args b;
        memset((void *)&b, 0, sizeof b);
        b.loss = loss; b.gradient = seed;
        if (tg_backward_from(&b)) v = tg_item(loss);
    }
    if (f->a->callback && !f->lbfgs && !tg_failed(f->tg)) {
        for (k = 0; k < f->tensors; k++) tg_keep(f->s.batch[k]);
        if (f->s.y) tg_keep(f->s.y);
    } else { memset(f->s.batch, 0, sizeof f->s.batch); f->s.y = NULL; }
    tg_end(f->tg, m);
    return v;
}
/* The gradients of a step, clipped; its loss, the mean over its rows. */
static double tg_fit__gradients(tg_fit__run *f) {
    const int64_t first = tg_fit__first(f, f->s.step), last = tg_fit__last(f, f->s.step);
    double rows = 0, sum = 0;
    int64_t i;
    for (i = first; last - first > 1 && i < last; i++) rows += tg_fit__rows(f, i);
    for (i = first, f->step_rows = 0; i < last && !tg_failed(f->tg) && !f->r.text[0]; i++) {
        tg_fit__let_go(f);
        sum += tg_fit__add(f, i, rows) * f->batch_rows;
        f->step_rows += f->batch_rows;
    }
    if (tg_failed(f->tg) || f->r.text[0]) return tg_fit__nan();
    /* 1e300: it is only measured */
    f->s.norm = tg_clip_grad_norm_(tg_optim_params(f->a->opt), tg_optim_count(f->a->opt),
        f->a->clip > 0 ? f->a->clip * f->scale : 1e300) / f->scale;
    if (f->a->clip_value > 0) (void)tg_clip_grad_value_(tg_optim_params(f->a->opt), tg_optim_count(f->a->opt), f->a->clip_value * f->scale);
    return sum / f->step_rows;
}
static tg_tensor *tg_fit__closure(void *user) {                         /* for L-BFGS */
    tg_fit__run *f = (tg_fit__run *)user;
    const double v = tg_fit__gradients(f);
    return tg_failed(f->tg) || f->r.text[0] ? NULL : tg_full(f->tg, TG_SCALAR, v, TG_F64);
}
/* After a step: the scale of halves' gradients grows while all goes well. */
static void tg_fit__rescale(tg_fit__run *f, bool skipped) {
    const double every = f->a->scale_every ? (double)f->a->scale_every : 2000;
    if (!f->scales) return;
    f->good = skipped ? 0 : f->good + 1;
    if (skipped || f->good >= every) { (void)tg_optim_set(f->a->opt, -1, "loss_scale", f->scale * (skipped ? 0.5 : 2)); f->good = 0; }
}
static bool tg_fit__optimise(tg_fit__run *f, bool *skipped) {               /* one step of the optimiser */
    tg_optim *opt = f->a->opt;
    const int64_t before = tg_optim_skipped(opt);
    *skipped = false;
    if (f->lbfgs) {
        f->s.loss = tg_step_with(opt, tg_fit__closure, f);
        if (tg_failed(f->tg)) return false;
        (void)tg_optim_zero_grad(opt);
    } else f->s.loss = tg_fit__gradients(f);
    if (tg_failed(f->tg) || f->r.text[0]) return false;
    if (!f->skips && !(tg_fit__is_number(f->s.loss) && tg_fit__is_number(f->s.norm))) {
        char text[160];
        sprintf(text, "tg_fit: at step %.0f the loss is %g and the gradients' norm %g%s", (double)f->s.step + 1, f->s.loss, f->s.norm,
            f->lbfgs ? "" : "; weights and checkpoint are as before that step");
        (void)tg_optim_zero_grad(opt);
        return tg_fit__fail(f, text);
    }
    if (f->lbfgs) return true;
    if (!tg_step(opt)) return false;
    *skipped = tg_optim_skipped(opt) > before;
    f->s.skipped = tg_optim_skipped(opt);
    f->in_a_row = *skipped ? f->in_a_row + 1 : 0;
    return f->in_a_row < 100 || tg_fit__fail(f, "tg_fit: the last 100 steps had gradients that are not finite, and were left out");
}
static void tg_fit__board_step(tg_fit__run *f, double loss) {
    (void)tg_board_scalar(f->s.board, "loss/train", f->s.step, loss);
    (void)tg_board_scalar(f->s.board, "lr", f->s.step, f->s.lr);
    (void)tg_board_scalar(f->s.board, "gradient norm", f->s.step, f->s.norm);
    if (f->skips) (void)tg_board_scalar(f->s.board, "skipped", f->s.step, (double)f->s.skipped);
    if (f->scales) (void)tg_board_scalar(f->s.board, "loss scale", f->s.step, f->scale);
}
/* The average takes the net in, if it is time. */
static bool tg_fit__follow(tg_fit__run *f) {
    const tg_fit_args *a = f->a;
    const int64_t every = a->average_every ? a->average_every : a->ema > 0 ? 1 : f->per_epoch;
    if (!a->average || f->s.step < a->average_from || f->s.step % every) return true;
    f->renewed = false;
    f->averaged++;
    return tg_module_ema_(a->average, a->net, f->averaged <= 1 ? 0 : a->ema > 0 ? a->ema : (f->averaged - 1) / f->averaged);
}
static bool tg_fit__step(tg_fit__run *f) {
    const tg_fit_args *a = f->a;
    double point[2];
    bool ok, skipped = false;
    int k;
    for (k = 0; a->schedule && k < f->rates; k++) (void)tg_optim_set_lr(a->opt, k, a->schedule(a->user, f->rate[k], f->s.step, f->s.steps));
    f->s.lr = tg_optim_lr(a->opt, 0);
    f->scale = tg_optim_get(a->opt, 0, "loss_scale");
    ok = !tg_failed(f->tg) && tg_fit__optimise(f, &skipped);
    if (ok) {
        tg_fit__rescale(f, skipped);
        f->s.step++;
        ok = tg_fit__follow(f);
        f->rows += f->step_rows;
        if (tg_fit__is_number(f->s.loss)) {
            f->epoch_sum += f->s.loss * f->step_rows; f->epoch_rows += f->step_rows;
            f->point_sum += f->s.loss; f->point_n++;
        }
        f->s.epoch_loss = tg_fit__ratio(f->epoch_sum, f->epoch_rows);
        if (f->s.step % f->point_every == 0 || f->s.step == f->s.steps) {
            point[0] = (double)f->s.step; point[1] = tg_fit__ratio(f->point_sum, f->point_n);
            f->point_sum = f->point_n = 0;
            ok = ok && tg_fit__point(f, &f->train, point);
            if (f->s.board) tg_fit__board_step(f, point[1]);
        }
        tg_fit__progress(f);
        ok = ok && tg_fit__call(f, TG_FIT_STEP);
    }
    tg_fit__let_go(f);
    return ok && !tg_failed(f->tg);
}

/* ---- validation ---- */
static bool tg_fit__measure(tg_fit__run *f) {                          /* one batch's part in the metrics */
    tg_tensor *target = f->s.batch[f->tensors - 1];
    bool counts = false, found = false;
    int k;
    for (k = 0; k < f->n_metrics; k++) {
        if (f->kind[k] == TG_FIT__MAP) found = true;
        if (f->kind[k] == TG_FIT__MAP || f->kind[k] == TG_FIT__PERPLEXITY) continue;
        if (!f->s.y || f->s.y->ndim < 2) return tg_fit__fail(f, "tg_fit: metrics need scores [N, C, ...] from the net");
        if (f->kind[k] == TG_FIT__TOP) {
            int64_t n, hits = tg_topk_hits(f->s.y, target, f->number[k], &n);
            if (hits < 0) return tg_fit__fail(f, "tg_fit: metrics need scores [N, C, ...] and whole targets [N, ...] below C");
            f->hits[k] += (double)hits; f->counted[k] += (double)n;
        }
        /* for the page's table; of words it would be gigabytes */
        counts = counts || f->kind[k] != TG_FIT__TOP || f->s.y->shape[1] <= 40;
    }
    if (found && !f->a->detect(f->a->user, f->s.y, f->s.batch, f->tensors, f->image, &f->detections))
        return tg_fit__fail(f, "tg_fit: .detect failed");
    f->image += (int64_t)f->batch_rows;
    if (!counts) return true;
    if (!f->confusion.count && !tg_confusion_new(&f->confusion, f->s.y->shape[1])) return tg_fit__fail(f, "tg_fit: out of memory");
    return tg_confusion_add(&f->confusion, f->s.y, target) ||
        tg_fit__fail(f, "tg_fit: metrics need scores [N, C, ...] and whole targets [N, ...] below C");
}
static double tg_fit__exp(tg_ctx *tg, double v) {                      /* so that nobody needs -lm */
    tg_mark m = tg_begin(tg);
    v = tg_item(tg_exp(tg_full(tg, TG_SCALAR, v, TG_F64)));
    tg_end(tg, m);
    return v;
}
static void tg_fit__results(tg_fit__run *f) {
    int k;
    f->s.confusion = f->confusion.count ? &f->confusion : NULL;
    for (k = 0; k < f->n_metrics; k++) {
        const tg_confusion *c = &f->confusion;
        double *v = &f->s.metric[k];
        if (f->kind[k] == TG_FIT__PERPLEXITY) *v = tg_fit__exp(f->tg, f->s.valid_loss);
        else if (f->kind[k] == TG_FIT__TOP) *v = tg_fit__ratio(f->hits[k], f->counted[k]);
        else if (f->kind[k] == TG_FIT__MAP) *v = tg_detections_map(&f->detections, f->number[k] / 100.0);
        else *v = f->kind[k] == TG_FIT__F1 ? tg_confusion_f1(c, -1) : tg_confusion_iou(c, -1);
    }
}
/* Parts that train and parts that do not, a frozen BatchNorm say, are so again after a validation. m's own mode, then its parts':
   *at counts; set: from list, else into it, as far as there is room. */
static void tg_fit__modes(tg_module *m, bool *list, int64_t room, int64_t *at, bool set) {
    int64_t i;
    if (*at < room) { if (set) m->training = list[*at]; else list[*at] = m->training; }
    ++*at;
    for (i = 0; i < tg_module_parts(m); i++) tg_fit__modes(tg_module_part_of(m, i), list, room, at, set);
}
static bool *tg_fit__modes_of(tg_module *net, int64_t *n) {
    bool *list;
    *n = 0;
    tg_fit__modes(net, NULL, 0, n, false);
    list = (bool *)malloc((size_t)*n * sizeof *list);
    if (list) { const int64_t room = *n; *n = 0; tg_fit__modes(net, list, room, n, false); }
    return list;
}
/* From now on this net's turn: net or average, which may be of another type. */
static void tg_fit__turn(tg_fit__run *f, tg_module *net) {
    tg_tensor *first[1] = { NULL };
    f->net = net;
    (void)tg_parameters(net, first, 1);
    f->halves = first[0] && (first[0]->dtype == TG_F16 || first[0]->dtype == TG_BF16);
    if (first[0]) { f->half = first[0]->dtype; f->device = first[0]->device; }
}
/* The average as it is to be looked at. Random numbers that this draws, for dropout, are none of the run's. */
static bool tg_fit__average(tg_fit__run *f) {
    const tg_fit_args *a = f->a;
    const tg_random_state random = tg_random_get(f->tg);
    int64_t i;
    bool was, ok = true;
    if (!a->average) return true;
    if (f->averaged < 1) return tg_module_ema_(a->average, a->net, 0);
    if (!a->average_norms || f->renewed) return true;
    tg_fit__turn(f, a->average);
    was = tg_update_bn_begin(a->average);
    for (i = 0; ok && i < a->average_norms; i++) {
        tg_mark m = tg_begin(f->tg);
        ok = tg_fit__forward(f, a->train, i) != NULL;
        memset(f->s.batch, 0, sizeof f->s.batch);
        f->s.y = NULL;
        tg_end(f->tg, m);
    }
    tg_update_bn_end(a->average, was);
    tg_random_set(f->tg, random);
    tg_fit__turn(f, a->net);
    f->renewed = true;
    return ok && !tg_failed(f->tg);
}
static bool tg_fit__valid_pass(tg_fit__run *f) {
    tg_module *const net = f->a->average ? f->a->average : f->a->net;
    const bool was = tg_grad_mode(f->tg, false);
    double sum = 0, rows = 0;
    int64_t i, n = tg_data_steps(f->a->valid), modes, at = 0;
    bool ok = true, *mode = tg_fit__modes_of(net, &modes);
    if (!mode) { (void)tg_grad_mode(f->tg, was); return tg_fit__fail(f, "tg_fit: out of memory"); }
    tg_train(net, false);
    tg_fit__turn(f, net);
    f->s.confusion = NULL;
    tg_confusion_free(&f->confusion);
    tg_detections_free(&f->detections);
    f->image = 0;
    memset(f->hits, 0, sizeof f->hits); memset(f->counted, 0, sizeof f->counted);
    for (i = 0; ok && i < n; i++) {
        tg_mark m = tg_begin(f->tg);
        tg_tensor *loss = tg_fit__forward(f, f->a->valid, i);
        ok = loss && tg_fit__measure(f);
        if (ok) { sum += tg_item(loss) * f->batch_rows; rows += f->batch_rows; }
        memset(f->s.batch, 0, sizeof f->s.batch);
        f->s.y = NULL;
        tg_end(f->tg, m);
    }
    tg_fit__turn(f, f->a->net);
    tg_fit__modes(net, mode, modes, &at, true);
    free(mode);
    (void)tg_grad_mode(f->tg, was);
    f->s.valid_loss = tg_fit__ratio(sum, rows);
    tg_fit__results(f);
    return ok && !tg_failed(f->tg);
}
static void tg_fit__board_validation(tg_fit__run *f) {                          /* numbers of a validation, and how the weights lie */
    tg_dict *d = tg_state_dict(f->a->net);
    int64_t i;
    int k;
    if (f->a->valid) (void)tg_board_scalar(f->s.board, "loss/valid", f->s.step, f->s.valid_loss);
    for (k = 0; f->a->valid && k < f->n_metrics; k++) (void)tg_board_scalar(f->s.board, f->a->metrics[k], f->s.step, f->s.metric[k]);
    for (i = 0; i < tg_dict_count(d); i++)
        if (tg_dtype_is_float(tg_dict_at(d, i)->dtype))
            (void)tg_board_histogram(f->s.board, tg_dict_name(d, i), f->s.step, tg_dict_at(d, i));
    tg_dict_free(d);
    (void)tg_board_flush(f->s.board);
}
static bool tg_fit__validate(tg_fit__run *f) {
    const tg_fit_args *a = f->a;
    double value, row[2 + TG_FIT_METRICS];
    bool falls = f->monitor < 0 || f->kind[f->monitor] == TG_FIT__PERPLEXITY || a->monitor_falls, better;
    int k;
    if (!tg_fit__average(f) || (a->valid && !tg_fit__valid_pass(f))) return false;
    value = !a->valid ? f->s.epoch_loss : f->monitor < 0 ? f->s.valid_loss : f->s.metric[f->monitor];
    better = tg_fit__is_number(value) &&
        (!tg_fit__is_number(f->s.best) || (falls ? value < f->s.best - a->min_delta : value > f->s.best + a->min_delta));
    if (better) { f->s.best = value; f->s.best_step = f->s.step; f->s.bad = 0; } else f->s.bad++;
    row[0] = (double)f->s.step; row[1] = f->s.valid_loss;
    for (k = 0; k < f->n_metrics; k++) row[2 + k] = f->s.metric[k];
    if (a->valid && !tg_fit__point(f, &f->valid, row)) return false;
    tg_fit__clock(f);
    tg_fit__validation_line(f);
    if (f->s.board) tg_fit__board_validation(f);
    return (!better || !a->best || tg_save(a->average ? a->average : a->net, a->best)) && tg_fit__call(f, TG_FIT_VALID);
}

/* ---- what a run keeps beside weights, optimiser and random state: "fit.state", and the curves ---- */
enum { TG_FIT__KEPT = 12 };
static double *tg_fit__kept(tg_fit__run *f, int i) {
    double *const list[TG_FIT__KEPT] = { &f->epoch_sum, &f->epoch_rows, &f->point_sum, &f->point_n, &f->s.best, &f->s.valid_loss,
        &f->s.epoch_loss, &f->s.seconds, &f->s.loss, &f->before, &f->good, &f->s.norm };
    return list[i];
}
static void tg_fit__watched(tg_fit__run *f, tg_fit__bytes *b) {        /* what its numbers are of */
    int k;
    for (k = 0; k < f->n_metrics; k++) { tg_fit__text(b, f->a->metrics[k]); tg_fit__text(b, " "); }
    tg_fit__text(b, f->a->monitor_falls ? "less " : "more ");
    tg_fit__text(b, f->a->monitor ? f->a->monitor : f->a->valid ? "valid loss" : "train loss");
}
/* In the checkpoint: "fit.averaged", and the average's tensors as "fit.average." and their names. */
static bool tg_fit__save_average(tg_fit__run *f, tg_dict *more) {
    tg_dict *d = f->a->average ? tg_state_dict(f->a->average) : NULL;
    bool ok = !f->a->average || (d && tg_dict_set(more, "fit.averaged", tg_full(f->tg, TG_SCALAR, f->averaged, TG_F64)));
    int64_t i;
    for (i = 0; ok && i < tg_dict_count(d); i++) {
        tg_fit__bytes name = { NULL, 0, 0, false };
        tg_fit__text(&name, "fit.average.");
        tg_fit__text(&name, tg_dict_name(d, i));
        ok = name.lost ? tg_fit__fail(f, "tg_fit: out of memory") : tg_dict_set(more, name.at, tg_dict_at(d, i));
        free(name.at);
    }
    tg_dict_free(d);
    return ok;
}
static bool tg_fit__take_average(tg_fit__run *f, const tg_dict *more) {
    static const char prefix[] = "fit.average.";
    tg_tensor *averaged = tg_dict_get(more, "fit.averaged");
    tg_dict *d;
    int64_t i;
    bool ok;
    if ((averaged != NULL) != (f->a->average != NULL))
        return tg_fit__fail(f, averaged ? "tg_fit: the checkpoint is of a run with .average"
            : "tg_fit: the checkpoint is of a run without .average");
    if (!averaged) return true;
    f->averaged = tg_item(averaged);
    ok = (d = tg_dict_new(f->tg)) != NULL;
    for (i = 0; ok && i < tg_dict_count(more); i++)
        if (!strncmp(tg_dict_name(more, i), prefix, sizeof prefix - 1))
            ok = tg_dict_set(d, tg_dict_name(more, i) + sizeof prefix - 1, tg_dict_at(more, i));
    ok = ok && tg_load_state_dict(f->a->average, d, NULL);
    tg_dict_free(d);
    return ok;
}
static bool tg_fit__save(tg_fit__run *f) {
    tg_fit__bytes watched = { NULL, 0, 0, false };
    tg_mark m = tg_begin(f->tg);
    double state[TG_FIT__KEPT + 4 + TG_FIT_METRICS];
    tg_dict *more = tg_dict_new(f->tg);
    bool ok;
    int i;
    for (i = 0; i < TG_FIT__KEPT; i++) state[i] = *tg_fit__kept(f, i);
    state[i++] = (double)f->s.best_step; state[i++] = (double)f->s.bad; state[i++] = (double)f->per_epoch;
    state[i++] = (double)f->accumulate;
    memcpy(state + i, f->s.metric, sizeof f->s.metric);
    tg_fit__watched(f, &watched);
    ok = more && (!watched.lost || tg_fit__fail(f, "tg_fit: out of memory")) && tg_dict_set_meta(more, "fit.watched", watched.at)
        && tg_dict_set(more, "fit.state", tg_from(f->tg, TG_SHAPE(TG_FIT__KEPT + 4 + TG_FIT_METRICS), TG_F64, state))
        && (!f->a->schedule || tg_dict_set(more, "fit.rates", tg_from(f->tg, TG_SHAPE(f->rates), TG_F64, f->rate)))
        && tg_fit__save_average(f, more)
        && (!f->train.n || tg_dict_set(more, "fit.train", tg_from(f->tg, TG_SHAPE(f->train.n, f->train.width), TG_F64, f->train.at)))
        && (!f->valid.n || tg_dict_set(more, "fit.valid", tg_from(f->tg, TG_SHAPE(f->valid.n, f->valid.width), TG_F64, f->valid.at)));
    f->s.more = more;
    f->saved = f->s.step;
    ok = ok && tg_fit__call(f, TG_FIT_SAVE) && tg_run_save(f->a->net, f->a->opt, f->s.step, more, f->a->checkpoint);
    f->s.more = NULL;
    free(watched.at);
    tg_dict_free(more);
    tg_end(f->tg, m);
    return ok;
}
static bool tg_fit__take_curve(tg_fit__run *f, tg_fit__curve *c, tg_tensor *t) {
    int64_t i;
    if (!t) return true;
    if (t->dtype != TG_F64 || t->ndim != 2 || t->shape[1] != c->width)
        return tg_fit__fail(f, "tg_fit: the checkpoint was not made by tg_fit");
    for (i = 0; i < t->shape[0]; i++) if (!tg_fit__point(f, c, (const double *)t->data + i * c->width)) return false;
    return true;
}
static bool tg_fit__take_rates(tg_fit__run *f, tg_tensor *t) {
    if (!t) return true;
    if (t->dtype != TG_F64 || t->numel != f->rates) return tg_fit__fail(f, "tg_fit: the checkpoint was not made by tg_fit");
    memcpy(f->rate, t->data, (size_t)f->rates * sizeof *f->rate);
    return true;
}
static bool tg_fit__resume(tg_fit__run *f) {
    FILE *file;
    tg_fit__bytes watched = { NULL, 0, 0, false };
    tg_dict *more = NULL;
    tg_tensor *state;
    bool ok;
    int i;
    if (!f->a->resume) return true;
    errno = 0;
    file = fopen(f->a->checkpoint, "rb");
    /* else a run that begins anew would write over it */
    if (!file) return errno == ENOENT || tg_fit__fail(f, "tg_fit: .checkpoint cannot be read");
    fclose(file);
    if (!tg_run_load(f->a->net, f->a->opt, &f->s.step, &more, f->a->checkpoint)) return false;
    state = tg_dict_get(more, "fit.state");
    tg_fit__watched(f, &watched);
    ok = state && state->dtype == TG_F64 && state->numel == TG_FIT__KEPT + 4 + TG_FIT_METRICS &&
        tg_dict_meta(more, "fit.watched") && f->s.step >= 0;
    if (watched.lost) ok = tg_fit__fail(f, "tg_fit: out of memory");
    else if (!ok) (void)tg_fit__fail(f, "tg_fit: the checkpoint was not made by tg_fit");
    else if (strcmp(tg_dict_meta(more, "fit.watched"), watched.at) != 0)
        ok = tg_fit__fail(f, "tg_fit: the checkpoint is of a run with other .metrics, or another .monitor");
    else {
        const double *v = (const double *)state->data;
        for (i = 0; i < TG_FIT__KEPT; i++) *tg_fit__kept(f, i) = v[i];
        f->s.best_step = (int64_t)v[i++]; f->s.bad = (int64_t)v[i++];
        ok = (int64_t)v[i] == f->per_epoch && (int64_t)v[i + 1] == f->accumulate;      /* its steps would be others */
        if (!ok) (void)tg_fit__fail(f, "tg_fit: the checkpoint is of a run with other batches");
        memcpy(f->s.metric, v + i + 2, sizeof f->s.metric);
        f->before = f->s.seconds;
        ok = ok && tg_fit__take_rates(f, tg_dict_get(more, "fit.rates")) && tg_fit__take_average(f, more);
        ok = ok && tg_fit__take_curve(f, &f->train, tg_dict_get(more, "fit.train")) &&
            tg_fit__take_curve(f, &f->valid, tg_dict_get(more, "fit.valid"));
    }
    f->s.more = more;
    f->s.epoch = f->s.step / f->per_epoch;
    f->r.resumed = ok;
    ok = ok && tg_fit__call(f, TG_FIT_RESUME);
    f->s.more = NULL;
    free(watched.at);
    tg_dict_free(more);
    return ok;
}

/* ---- curves ---- */
typedef struct tg_fit__plot {
    const char *title; const tg_fit__curve *c[2]; int column[2]; const char *label[2]; double x0, x1, y0, y1;
} tg_fit__plot;
static double tg_fit__at(const tg_fit__plot *p, int k, int64_t i, int which) {
    return p->c[k]->at[i * p->c[k]->width + (which ? p->column[k] : 0)];
}
static bool tg_fit__drawable(double v) { return tg_fit__is_number(v) && v > -1e300 && v < 1e300; }
static double tg_fit__higher(double v) { return v + 1 + (v < 0 ? -v : v) * 1e-6; }      /* where 1 is lost, too */
static bool tg_fit__range(tg_fit__plot *p) {                           /* false: nothing to draw */
    int64_t i, n = 0;
    int k;
    for (k = 0; k < 2; k++) for (i = 0; p->c[k] && i < p->c[k]->n; i++) {
        const double x = tg_fit__at(p, k, i, 0), y = tg_fit__at(p, k, i, 1);
        if (!tg_fit__drawable(y)) continue;
        if (!n || x < p->x0) p->x0 = x;
        if (!n || x > p->x1) p->x1 = x;
        if (!n || y < p->y0) p->y0 = y;
        if (!n || y > p->y1) p->y1 = y;
        n++;
    }
    if (p->x1 <= p->x0) p->x1 = tg_fit__higher(p->x0);
    if (p->y1 <= p->y0) p->y1 = tg_fit__higher(p->y0);
    return n > 1;
}
/* Braille characters have 2 x 4 dots; the first series is a line of dots, the second letters o. */
enum { TG_FIT__WIDE = 64, TG_FIT__HIGH = 10 };
typedef struct tg_fit__canvas { unsigned char dots[TG_FIT__HIGH][TG_FIT__WIDE]; bool letter[TG_FIT__HIGH][TG_FIT__WIDE]; } tg_fit__canvas;
static void tg_fit__dot(tg_fit__canvas *c, double x, double y) {       /* 0 to 1, from below */
    static const unsigned char bits[4][2] = { { 1, 8 }, { 2, 16 }, { 4, 32 }, { 64, 128 } };
    const int px = (int)(x * (2 * TG_FIT__WIDE - 1) + 0.5), py = (int)((1 - y) * (4 * TG_FIT__HIGH - 1) + 0.5);
    if (px >= 0 && py >= 0 && px < 2 * TG_FIT__WIDE && py < 4 * TG_FIT__HIGH)
        c->dots[py / 4][px / 2] = (unsigned char)(c->dots[py / 4][px / 2] | bits[py % 4][px % 2]);
}
static void tg_fit__chart(tg_fit__bytes *b, tg_fit__plot *p) {
    tg_fit__canvas *c;
    double lx = -1, ly = 0;
    int64_t i;
    int row, column, step;
    if (!tg_fit__range(p) || !(c = (tg_fit__canvas *)calloc(1, sizeof *c))) return;
    for (i = 0; p->c[1] && i < p->c[1]->n; i++) {
        const double v = tg_fit__at(p, 1, i, 1), x = (tg_fit__at(p, 1, i, 0) - p->x0) / (p->x1 - p->x0), y = (v - p->y0) / (p->y1 - p->y0);
        if (tg_fit__drawable(v)) c->letter[(int)((1 - y) * (TG_FIT__HIGH - 1) + 0.5)][(int)(x * (TG_FIT__WIDE - 1) + 0.5)] = true;
    }
    for (i = 0, column = 0; p->c[0] && column < TG_FIT__WIDE; column++) {      /* one mean a column */
        double sum = 0, n = 0, y;
        for (; i < p->c[0]->n && (tg_fit__at(p, 0, i, 0) - p->x0) / (p->x1 - p->x0) * (double)TG_FIT__WIDE < column
            + 1 + (column == TG_FIT__WIDE - 1); i++)
            if (tg_fit__drawable(tg_fit__at(p, 0, i, 1))) { sum += tg_fit__at(p, 0, i, 1); n++; }
        if (n <= 0) continue;
        y = (sum / n - p->y0) / (p->y1 - p->y0);
        if (lx < 0) { lx = column; ly = y; }
        for (step = 0; step <= 64; step++)
            tg_fit__dot(c, (lx + (column - lx) * step / 64 + 0.5) / (double)TG_FIT__WIDE, ly + (y - ly) * (double)step / 64);
        lx = column; ly = y;
    }
    tg_fit__text(b, p->title);
    if (p->c[0]) { tg_fit__text(b, "   \xe2\xa0\x92 "); tg_fit__text(b, p->label[0]); }
    if (p->c[1]) { tg_fit__text(b, "   o "); tg_fit__text(b, p->label[1]); }
    tg_fit__text(b, "\n");
    for (row = 0; row < TG_FIT__HIGH; row++) {
        if (row == 0 || row == TG_FIT__HIGH - 1) tg_fit__format(b, "%10.4g |", row ? p->y0 : p->y1);
        else tg_fit__text(b, "           |");
        for (column = 0; column < TG_FIT__WIDE; column++) {
            const unsigned d = c->dots[row][column];
            if (c->letter[row][column]) tg_fit__text(b, "o");
            else if (!d) tg_fit__text(b, " ");
            else { tg_fit__byte(b, 0xe2); tg_fit__byte(b, 0xa0 | d >> 6); tg_fit__byte(b, 0x80 | (d & 63)); }
        }
        tg_fit__text(b, "\n");
    }
    tg_fit__format(b, "           +----- step %.0f to %.0f\n", p->x0, p->x1);
    free(c);
}
/* The plots of a run: the losses in one, each metric in another. */
static bool tg_fit__plot_at(tg_fit__run *f, int i, tg_fit__plot *p) {
    memset(p, 0, sizeof *p);
    if (i > f->n_metrics || (i > 0 && !f->a->valid)) return false;
    p->title = i ? f->a->metrics[i - 1] : "loss";
    p->c[0] = i ? NULL : &f->train; p->column[0] = 1; p->label[0] = "train";
    p->c[1] = f->a->valid ? &f->valid : NULL; p->column[1] = 1 + i; p->label[1] = "valid";
    return true;
}
static void tg_fit__escape(tg_fit__bytes *b, const char *s) {
    for (; *s; s++) if (*s == '<' || *s == '>' || *s == '&' || *s == '"') tg_fit__format(b, "&#%d;", *s); else tg_fit__put(b, s, 1);
}
static void tg_fit__svg(tg_fit__bytes *b, tg_fit__plot *p) {
    int64_t i;
    int k;
    if (!tg_fit__range(p)) return;
    tg_fit__text(b, "<h2>");
    tg_fit__escape(b, p->title);
    tg_fit__text(b, "</h2>\n<svg viewBox=\"0 0 720 300\" width=\"720\" height=\"300\">\n");
    for (k = 0; k <= 4; k++) {
        const double y = 20 + 60.0 * k, x = 70 + 160.0 * k;
        tg_fit__format(b, "<line x1=\"70\" x2=\"710\" y1=\"%.1f\" y2=\"%.1f\" class=\"g\"/><text x=\"62\" y=\"%.1f\" text-anchor=\"end\">%.4g</text>\n", y, y, y + 4, p->y1 + (p->y0 - p->y1) * k / 4);
        tg_fit__format(b, "<text x=\"%.1f\" y=\"280\" text-anchor=\"middle\">%.0f</text>\n", x, p->x0 + (p->x1 - p->x0) * k / 4);
    }
    for (k = 0; k < 2; k++) {
        bool open = false;
        for (i = 0; p->c[k] && i < p->c[k]->n; i++) {
            const double v = tg_fit__at(p, k, i, 1);
            if (!tg_fit__drawable(v)) continue;
            if (!open) tg_fit__format(b, "<polyline class=\"c%d\" points=\"", k);
            open = true;
            tg_fit__format(b, "%.1f,%.1f ", 70 + 640 * (tg_fit__at(p, k, i, 0) - p->x0) / (p->x1 - p->x0),
                20 + 240 * (p->y1 - v) / (p->y1 - p->y0));
        }
        if (open) tg_fit__format(b, "\"/><text x=\"%d\" y=\"14\" class=\"t%d\">%s</text>\n", 80 + 60 * k, k, p->label[k]);
    }
    tg_fit__text(b, "</svg>\n");
}
static bool tg_fit__html(tg_fit__run *f) {
    tg_fit__bytes b = { NULL, 0, 0, false };
    tg_fit__plot p;
    FILE *file;
    int64_t i;
    int k;
    bool ok;
    tg_fit__text(&b, "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>training</title><style>\nbody{font:14px sans-serif;margin:2em;max-width:760px;color:#222;background:#fff}"
        "svg{font:11px sans-serif}.g{stroke:#ddd}polyline{fill:none;stroke-width:1.6}.c0{stroke:#1f77b4}.c1{stroke:#d95f02}.t0{fill:#1f77b4}.t1{fill:#d95f02}"
        "table{border-collapse:collapse}td,th{padding:2px 10px;text-align:right;border-bottom:1px solid #ddd}\n</style></head><body>\n<h1>training</h1>\n");
    tg_fit__format(&b, "<p>%.0f of %.0f steps in ", (double)f->s.step, (double)f->s.steps);
    tg_fit__duration(&b, f->s.seconds);
    if (f->s.best_step) tg_fit__format(&b, "; best %.6g at step %.0f", f->s.best, (double)f->s.best_step);
    if (f->s.skipped) tg_fit__format(&b, "; %.0f steps left out, whose gradients were not finite", (double)f->s.skipped);
    tg_fit__text(&b, "</p>\n");
    for (i = 0; tg_fit__plot_at(f, (int)i, &p); i++) tg_fit__svg(&b, &p);
    if (f->valid.n) {
        tg_fit__text(&b, "<h2>validations</h2>\n<table><tr><th>step</th><th>loss</th>");
        for (k = 0; k < f->n_metrics; k++) { tg_fit__text(&b, "<th>"); tg_fit__escape(&b, f->a->metrics[k]); tg_fit__text(&b, "</th>"); }
        tg_fit__text(&b, "</tr>\n");
        for (i = 0; i < f->valid.n; i++) {
            tg_fit__format(&b, "<tr><td>%.0f</td>", f->valid.at[i * f->valid.width]);
            for (k = 1; k < f->valid.width; k++) tg_fit__format(&b, "<td>%.5g</td>", f->valid.at[i * f->valid.width + k]);
            tg_fit__text(&b, "</tr>\n");
        }
        tg_fit__text(&b, "</table>\n");
    }
    if (f->confusion.count && f->confusion.classes <= 40) {
        const size_t size = tg_confusion_format(&f->confusion, NULL, 0) + 1;
        char *text = (char *)malloc(size);
        if (text) {
            (void)tg_confusion_format(&f->confusion, text, size);
            tg_fit__text(&b, "<h2>what was taken for what, at the last validation</h2>\n<pre>");
            tg_fit__escape(&b, text);
            tg_fit__text(&b, "</pre>\n");
            free(text);
        }
    }
    tg_fit__text(&b, "</body></html>\n");
    file = b.lost ? NULL : fopen(f->a->html, "wb");
    ok = file && fwrite(b.at, 1, b.size, file) == b.size;
    if (file && fclose(file) != 0) ok = false;
    free(b.at);
    return ok || tg_fit__fail(f, "tg_fit: the page of curves cannot be written");
}
static void tg_fit__charts(tg_fit__run *f) {
    tg_fit__bytes b = { NULL, 0, 0, false };
    tg_fit__plot p;
    int i;
    for (i = 0; i < 2 && tg_fit__plot_at(f, i, &p); i++) tg_fit__chart(&b, &p);
    if (b.at && !b.lost) tg_fit__say(f, b.at);
    free(b.at);
}

/* ---- all of it ---- */
/* A metric by its name: what stands behind `begin` is a number from 1 to most. */
static int tg_fit__numbered(const char *name, const char *begin, int most) {
    int v = 0;
    if (strncmp(name, begin, strlen(begin)) != 0) return 0;
    for (name += strlen(begin); *name >= '0' && *name <= '9' && v <= most; name++) v = 10 * v + *name - '0';
    return *name || v > most ? 0 : v;
}
static bool tg_fit__metrics(tg_fit__run *f) {
    const tg_fit_args *a = f->a;
    int k;
    for (k = 0; a->metrics && a->metrics[k]; k++) {
        const char *s = a->metrics[k];
        if (k == TG_FIT_METRICS) return tg_fit__fail(f, "tg_fit: more than 8 metrics");
        if (!strcmp(s, "accuracy")) { f->kind[k] = TG_FIT__TOP; f->number[k] = 1; }
        else if (!strcmp(s, "f1")) f->kind[k] = TG_FIT__F1;
        else if (!strcmp(s, "iou")) f->kind[k] = TG_FIT__IOU;
        else if (!strcmp(s, "perplexity")) f->kind[k] = TG_FIT__PERPLEXITY;
        else if (!strcmp(s, "map") || tg_fit__numbered(s, "map", 100)) {
            f->kind[k] = TG_FIT__MAP; f->number[k] = tg_fit__numbered(s, "map", 100);
        }
        else if (tg_fit__numbered(s, "top", 1000000)) { f->kind[k] = TG_FIT__TOP; f->number[k] = tg_fit__numbered(s, "top", 1000000); }
        else return tg_fit__fail(f, "tg_fit: an unknown metric; there are accuracy, topK, f1, iou, perplexity, map, mapP");
        if (f->kind[k] == TG_FIT__MAP && !a->detect) return tg_fit__fail(f, "tg_fit: map needs .detect, which tells what was found");
        if (a->monitor && !strcmp(a->monitor, s)) f->monitor = k;
        f->n_metrics = k + 1;
    }
    if (a->monitor && f->monitor < 0) return tg_fit__fail(f, "tg_fit: .monitor is none of .metrics");
    return !f->n_metrics || a->valid || tg_fit__fail(f, "tg_fit: .metrics need .valid");
}
/* What the optimiser is, and what it was told. */
static bool tg_fit__optimiser(tg_fit__run *f) {
    tg_dict *state = tg_optim_state(f->a->opt);
    const char *rule = state ? tg_dict_meta(state, "optimiser") : NULL;
    int k;
    f->lbfgs = rule && !strcmp(rule, "lbfgs");
    tg_dict_free(state);
    if (tg_failed(f->tg)) return false;
    f->skips = !f->lbfgs && tg_optim_get(f->a->opt, 0, "skip_nonfinite") > 0;
    f->scale = tg_optim_get(f->a->opt, 0, "loss_scale");
    f->scales = f->skips && (f->scale < 1 || f->scale > 1) && f->a->scale_every >= 0;
    f->rates = tg_optim_groups(f->a->opt);
    f->rate = (double *)malloc((size_t)f->rates * sizeof *f->rate + 1);
    if (!f->rate) return tg_fit__fail(f, "tg_fit: out of memory");
    for (k = 0; k < f->rates; k++) f->rate[k] = tg_optim_lr(f->a->opt, k);
    return !tg_failed(f->tg);
}
static bool tg_fit__begin(tg_fit__run *f) {
    const tg_fit_args *a = f->a;
    const int64_t most = (int64_t)1 << 53;                             /* steps are kept in doubles */
    int64_t batches;
    if (!a->opt || !a->train) return tg_fit__fail(f, "tg_fit: needs .net, .opt and .train");
    if (a->epochs < 0 || a->steps < 0 || a->accumulate < 0 || a->patience < 0 || a->checkpoint_every < 0 || a->valid_every < 0
        || !(a->clip >= 0) || !(a->clip_value >= 0) || !(a->min_delta >= 0))
        return tg_fit__fail(f, "tg_fit: an option is negative, or no number");
    batches = tg_data_steps(a->train);
    /* a step ends with its epoch */
    f->accumulate = a->accumulate < 1 ? 1 : a->accumulate > batches && batches > 0 ? batches : a->accumulate;
    f->per_epoch = batches / f->accumulate + (batches % f->accumulate != 0);
    if (f->per_epoch < 1 || (!a->steps && !a->epochs))
        return tg_fit__fail(f, "tg_fit: there is no step to make: look at .epochs, .steps and the rows of .train");
    if (a->steps > most || (!a->steps && a->epochs > most / f->per_epoch)) return tg_fit__fail(f, "tg_fit: more than 2^53 steps");
    f->s.steps = a->steps ? a->steps : a->epochs * f->per_epoch;
    if (a->valid && tg_data_steps(a->valid) < 1) return tg_fit__fail(f, "tg_fit: .valid has no batch");
    f->s.epochs = (f->s.steps - 1) / f->per_epoch + 1;
    f->tensors = a->tensors ? a->tensors : 2;
    if (f->tensors < 1 || f->tensors > TG_FIT_TENSORS || (f->tensors != 2 && !a->forward))
        return tg_fit__fail(f, "tg_fit: .tensors is 1 to 8, and 2 without .forward");
    if (a->forward && a->loss) return tg_fit__fail(f, "tg_fit: .forward makes the loss itself; .loss would not be called");
    if (!tg_fit__metrics(f)) return false;
    if (a->average ? a->average == a->net : a->ema > 0 || a->average_every || a->average_from || a->average_norms)
        return tg_fit__fail(f, "tg_fit: .ema and its kin need .average, a tg_module_copy of .net");
    if (!(a->ema >= 0 && a->ema < 1) || a->average_every < 0 || a->average_from < 0 || a->average_norms < 0 || a->average_norms > batches)
        return tg_fit__fail(f, "tg_fit: .ema is 0 to less than 1, .average_every and .average_from 0 or more, .average_norms 0 to the batches of an epoch");
    if ((a->checkpoint_every || a->resume) && !a->checkpoint)
        return tg_fit__fail(f, "tg_fit: .checkpoint_every and .resume need .checkpoint");
    if (a->restore_best && !a->best) return tg_fit__fail(f, "tg_fit: .restore_best needs .best");
    f->point_every = f->s.steps > 400 ? f->s.steps / 400 : 1;
    f->train.width = 2; f->valid.width = 2 + f->n_metrics;
    tg_fit__turn(f, a->net);
    if (!tg_fit__optimiser(f) || !tg_fit__resume(f) || (!f->r.resumed && !tg_fit__average(f))) return false;
    f->s.skipped = tg_optim_skipped(a->opt);
    if (a->board && !(f->s.board = tg_board_open(a->board))) return tg_fit__fail(f, "tg_fit: the folder of .board cannot be written to");
    if (f->s.board && f->r.resumed) (void)tg_board_restart(f->s.board, f->s.step + 1);
    (void)tg_optim_zero_grad(a->opt);                                  /* what somebody left there is no part of the first step */
    if (!a->net->training) tg_train(a->net, true);                     /* parts of a net that trains keep their mode */
    f->begun_step = f->saved = f->s.step; f->shown = f->begun - 1;
    return !tg_failed(f->tg) && (!a->html || tg_fit__html(f));         /* now, not after hours, it is seen whether that can be written */
}
static bool tg_fit__loop(tg_fit__run *f) {
    const tg_fit_args *a = f->a;
    while (f->s.step < f->s.steps && !f->stop) {
        bool ends, saves;
        if (a->patience && f->s.bad >= a->patience) { f->r.stopped_early = true; break; }
        if (!tg_fit__step(f)) return false;
        ends = f->s.step % f->per_epoch == 0;
        saves = a->checkpoint && (ends || f->stop || f->s.step == f->s.steps ||
            (a->checkpoint_every && f->s.step % a->checkpoint_every == 0));
        if ((ends || f->s.step == f->s.steps || (a->valid_every && f->s.step % a->valid_every == 0)) && !tg_fit__validate(f)) return false;
        if (ends) {
            f->s.epoch++;
            f->epoch_sum = f->epoch_rows = 0;
            if (!tg_fit__call(f, TG_FIT_EPOCH)) return false;
        }
        if ((saves || (a->checkpoint && f->stop)) && !tg_fit__save(f)) return false;
    }
    return !a->checkpoint || f->saved == f->s.step || tg_fit__save(f);      /* an early end in the middle of an epoch */
}
/* Each group has its own rate again; the average is as it is to be looked at; the best weights, where they are wanted. */
static bool tg_fit__close(tg_fit__run *f) {
    const tg_fit_args *a = f->a;
    int k;
    for (k = 0; a->schedule && k < f->rates; k++) (void)tg_optim_set_lr(a->opt, k, f->rate[k]);
    if (!tg_fit__average(f)) return false;
    return !a->restore_best || !f->s.best_step || tg_load(a->average ? a->average : a->net, a->best, NULL);
}
bool tg_fit(const tg_fit_args *a, tg_fit_report *report) {
    tg_fit__run *f = (tg_fit__run *)calloc(1, sizeof *f);
    bool ok;
    if (report) memset(report, 0, sizeof *report);
    if (!f || !a || !a->net) {                                         /* no context to say it in */
        if (report) strcpy(report->text, f ? "tg_fit: needs .net, .opt and .train" : "tg_fit: out of memory");
        free(f);
        return false;
    }
    f->a = a; f->tg = a->net->tg; f->s.args = a; f->monitor = -1;
    f->begun = tg_seconds(f->tg);
    f->s.best = f->s.valid_loss = f->s.loss = f->s.norm = tg_fit__nan();
    { int k; for (k = 0; k < TG_FIT_METRICS; k++) f->s.metric[k] = tg_fit__nan(); }
    ok = !tg_failed(f->tg) && tg_fit__begin(f) && tg_fit__loop(f) && tg_fit__close(f);
    tg_fit__clock(f);
    if (f->width) { tg_fit__bytes none = { NULL, 0, 0, false }; tg_fit__line(f, &none, true); }
    if (a->html && f->train.n && !tg_fit__html(f)) ok = false;
    if (ok && !a->no_curves && a->show != TG_FIT_QUIET) tg_fit__charts(f);
    if (f->s.board && !tg_board_flush(f->s.board) && ok) ok = tg_fit__fail(f, "tg_fit: events could not be written");
    f->s.error = ok ? NULL : tg_failed(f->tg) ? tg_error_text(f->tg) : f->r.text;
    if (!ok && a->callback) (void)a->callback(a->user, TG_FIT_END, &f->s);
    if (ok) ok = tg_fit__call(f, TG_FIT_END);
    if (!tg_board_close(f->s.board) && ok) ok = tg_fit__fail(f, "tg_fit: events could not be written");
    f->r.steps = f->s.step; f->r.skipped = f->s.skipped; f->r.best_step = f->s.best_step;
    f->r.loss = f->s.loss; f->r.valid_loss = f->s.valid_loss; f->r.best = f->s.best; f->r.seconds = f->s.seconds;
    memcpy(f->r.metric, f->s.metric, sizeof f->r.metric);
    if (report) *report = f->r;
    tg_confusion_free(&f->confusion);
    tg_detections_free(&f->detections);
    free(f->train.at); free(f->valid.at); free(f->rate);
    free(f);
    return ok;
}
#endif /* TG_FIT_IMPLEMENTATION */
