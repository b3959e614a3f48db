/* 10_ssd.c - finds shapes of all sizes in pictures, as the "single shot detector" does: from boxes that are there before.

   240 boxes of two sizes and three proportions cover a picture of 64 x 64. The network says for each of them what is in
   it, nothing or one of four shapes, and how it must be moved and stretched to fit. Small boxes are judged from features of
   8 x 8 places, large ones from features of 4 x 4. What was found twice is removed by non-maximum suppression.

       cc -O2 examples/10_ssd.c -o 10_ssd -lm && ./10_ssd        about 15 seconds
       ./10_ssd short                                            a few steps, for the tests

   Prints the loss and, on 256 unseen pictures, the mean average precision (boxes that share half of their area with the
   true one count as found): about 0.98. Writes ssd.png, pictures with the boxes that were found. */

#define TENSORGRAD_IMPLEMENTATION
#include "../tensorgrad.h"
#include "boxes.h"

enum { SCALES = 2, SHAPES_AT = 3, PRIORS = (8 * 8 + 4 * 4) * SHAPES_AT, SAID = 1 + KINDS + 4,
       BATCH = 16, WIDTH = 16, LARGEST = 18 };

/* ---- The boxes that are there before, as middle and size; four numbers say the way from them to a thing. ---- */

typedef struct prior { float x, y, w, h; } prior;
static prior priors[PRIORS];

static void make_priors(void) {
    static const float size[SCALES] = { 14, 28 }, stretch[SHAPES_AT] = { 1, 1.3f, 0.77f };
    prior *p = priors;
    for (int scale = 0, grid = 8; scale < SCALES; scale++, grid /= 2) {
        for (int c = 0; c < grid * grid; c++) {
            for (int k = 0; k < SHAPES_AT; k++, p++) {
                p->x = ((float)(c % grid) + 0.5f) * (float)(SIDE / grid);
                p->y = ((float)(c / grid) + 0.5f) * (float)(SIDE / grid);
                p->w = size[scale] * stretch[k];
                p->h = size[scale] / stretch[k];
            }
        }
    }
}

static void prior_box(const prior *p, float *box) {
    box[0] = p->x - p->w / 2; box[1] = p->y - p->h / 2; box[2] = p->x + p->w / 2; box[3] = p->y + p->h / 2;
}

/* SSD's numbers: moves in tenths of the size, stretches as logarithms in fifths. */
static void way_to(const prior *p, const float *box, float *way) {
    way[0] = 10 * ((box[0] + box[2]) / 2 - p->x) / p->w;
    way[1] = 10 * ((box[1] + box[3]) / 2 - p->y) / p->h;
    way[2] = 5 * logf((box[2] - box[0]) / p->w);
    way[3] = 5 * logf((box[3] - box[1]) / p->h);
}

static void go(const prior *p, const float *way, float *box) {
    prior q = { p->x + way[0] / 10 * p->w, p->y + way[1] / 10 * p->h, p->w * expf(way[2] / 5), p->h * expf(way[3] / 5) };
    prior_box(&q, box);
}

/* ---- The network. ---- */

typedef struct ssd { tg_module m; tg_module *trunk, *down, *heads[SCALES]; } ssd;

static tg_module *look(tg_ctx *tg, int64_t in, int64_t out, int64_t stride) {
    return tg_nn_sequential(tg,
        tg_nn_conv2d(tg, in, out, 3, .padding = {1, 1}, .stride = {stride, stride}, .no_bias = true),
        tg_nn_batch_norm2d(tg, out), tg_nn_silu(tg));
}

/* [N, 3, 64, 64] -> [N, PRIORS, SAID]. */
static tg_tensor *ssd_forward(tg_module *m, tg_tensor *x) {
    ssd *s = (ssd *)m;
    tg_tensor *said[SCALES];
    x = tg_forward(s->trunk, x);                                               /* [N, 4 WIDTH, 8, 8]           */
    for (int i = 0; i < SCALES; i++) {
        if (i) x = tg_forward(s->down, x);                                     /* [N, 4 WIDTH, 4, 4]           */
        tg_tensor *y = tg_flatten(tg_forward(s->heads[i], x), 2, -1);          /* [N, SHAPES_AT SAID, places]  */
        y = tg_unflatten(tg_transpose(y, 1, 2), 2, TG_DIMS(SHAPES_AT, SAID));  /* [N, places, SHAPES_AT, SAID] */
        said[i] = tg_flatten(y, 1, 2);
    }
    return tg_cat(said, SCALES, 1);
}

static tg_module *ssd_new(tg_ctx *tg) {
    ssd *s = TG_MODULE(tg, ssd, ssd_forward);
    TG_PART(s, trunk, tg_nn_sequential(tg, look(tg, 3, WIDTH, 2), look(tg, WIDTH, 2 * WIDTH, 2),
        look(tg, 2 * WIDTH, 4 * WIDTH, 2), look(tg, 4 * WIDTH, 4 * WIDTH, 1)));
    TG_PART(s, down, tg_nn_sequential(tg, look(tg, 4 * WIDTH, 4 * WIDTH, 2), look(tg, 4 * WIDTH, 4 * WIDTH, 1)));
    for (int i = 0; i < SCALES; i++)
        TG_PART_AT(s, heads, i, tg_nn_conv2d(tg, 4 * WIDTH, SHAPES_AT * SAID, 3, .padding = {1, 1}));
    return TG_MODULE_OF(s);
}

/* ---- Training. ---- */

/* A box is to find a thing with which it shares half of its area, and each thing has at least the box that fits it best.
   Kind 0 is nothing. Returns how many boxes are to find something. */
static int match(const scene *s, int64_t *kind, float (*way)[4]) {
    int matched = 0;
    memset(kind, 0, PRIORS * sizeof *kind);
    memset(way, 0, PRIORS * sizeof *way);
    for (int k = 0; k < s->count; k++) {
        float box[4], share[PRIORS];
        int best = 0;
        for (int p = 0; p < PRIORS; p++) {
            prior_box(&priors[p], box);
            share[p] = overlap(box, s->things[k].box);
            if (share[p] > share[best]) best = p;
        }
        for (int p = 0; p < PRIORS; p++) {
            if (p != best && share[p] < 0.5f) continue;
            matched += kind[p] == 0;
            kind[p] = 1 + s->things[k].kind;
            way_to(&priors[p], s->things[k].box, way[p]);
        }
    }
    return matched;
}

/* Nearly all boxes hold nothing. Of these only the worst count, three for each box that holds something. */
static tg_tensor *loss_of(tg_ctx *tg, tg_tensor *said, const scene *scenes) {
    static int64_t kind[BATCH][PRIORS];
    static float way[BATCH][PRIORS][4];
    int matched = 0;
    for (int i = 0; i < BATCH; i++) matched += match(&scenes[i], kind[i], way[i]);
    said = tg_flatten(said, 0, 1);                                                     /* [N PRIORS, SAID] */
    tg_tensor *right = tg_from(tg, TG_SHAPE(BATCH * PRIORS), TG_I64, kind), *something = tg_ne_scalar(right, 0);
    tg_tensor *what = tg_cross_entropy(tg_narrow(said, 1, 0, 1 + KINDS), right, .reduction = TG_LOSS_NONE);
    tg_tensor *worst = tg_topk(tg_masked_fill(what, something, 0), 3 * matched, 0, true, NULL);
    tg_tensor *of_things = tg_sum(tg_mul(what, something));
    tg_tensor *ways = tg_from_f32(tg, TG_SHAPE(BATCH * PRIORS, 4), way[0][0]);
    tg_tensor *off = tg_smooth_l1_loss(tg_narrow(said, 1, 1 + KINDS, 4), ways, .reduction = TG_LOSS_NONE);
    tg_tensor *where = tg_sum(tg_mul(off, tg_unsqueeze(something, 1)));
    return tg_div_scalar(tg_add(tg_add(of_things, tg_sum(worst)), where), matched);
}

static void train(tg_ctx *tg, tg_module *net, int steps) {
    static float pixels[BATCH][3 * PIXELS];
    static scene scenes[BATCH];
    const double rate = 5e-3;
    tg_optim *adam = tg_optim_adamw(net, rate);
    uint64_t dice = 1;
    double average = 0;
    for (int step = 1; step <= steps && !tg_failed(tg); step++) {
        tg_mark scope = tg_begin(tg);
        for (int i = 0; i < BATCH; i++) draw_scene(pixels[i], &scenes[i], LARGEST, &dice);
        tg_tensor *loss = loss_of(tg, tg_forward(net, tg_from_f32(tg, TG_SHAPE(BATCH, 3, SIDE, SIDE), pixels[0])), scenes);
        tg_backward(loss);
        tg_optim_set_lr(adam, 0, tg_one_cycle_lr(rate, step - 1, steps));
        tg_step(adam);
        average += (step == 1 ? 1 : 0.05) * (tg_item(loss) - average);
        tg_end(tg, scope);
        if (step % 100 && step < steps) continue;
        printf("step %d  loss %.3f\n", step, average);
        fflush(stdout);
    }
}

/* ---- Finding. ---- */

/* Appends what is found in one picture: boxes that are sure by 5% at least, but for those of one kind that share more than
   0.4 of their area with a surer one. */
static int find(tg_ctx *tg, tg_module *net, const float *picture, int number, found *list) {
    static float chance[PRIORS][1 + KINDS], way[PRIORS][4], box[PRIORS][4], score[PRIORS];
    int n = 0;
    tg_mark scope = tg_begin(tg);
    tg_tensor *said = tg_select(tg_forward(net, tg_from_f32(tg, TG_SHAPE(1, 3, SIDE, SIDE), picture)), 0, 0);
    bool ok = tg_read_f32(tg_softmax(tg_narrow(said, 1, 0, 1 + KINDS), 1), chance[0], PRIORS * (1 + KINDS))
        && tg_read_f32(tg_narrow(said, 1, 1 + KINDS, 4), way[0], PRIORS * 4);
    for (int kind = 0; kind < KINDS && ok; kind++) {
        int64_t stays[PRIORS];
        int count = 0;
        for (int p = 0; p < PRIORS; p++) {
            if (chance[p][1 + kind] < 0.05f) continue;
            go(&priors[p], way[p], box[count]);
            score[count++] = chance[p][1 + kind];
        }
        if (!count) continue;
        tg_tensor *best = tg_nms(tg_from_f32(tg, TG_SHAPE(count, 4), box[0]), tg_from_f32(tg, TG_SHAPE(count), score), 0.4);
        ok = best && tg_read(best, stays, (size_t)best->numel * sizeof *stays);
        for (int i = 0; ok && i < best->numel; i++) {
            found *f = &list[n++];
            memcpy(f->t.box, box[stays[i]], sizeof f->t.box);
            f->t.kind = kind;
            f->score = score[stays[i]];
            f->scene = number;
        }
    }
    tg_end(tg, scope);
    return n;
}

int main(int argc, char **argv) {
    bool brief = argc > 1 && strcmp(argv[1], "short") == 0;
    tg_ctx *tg = tg_open(&(tg_config){ .threads = -1 });
    if (!tg) return 1;
    make_priors();
    tg_module *net = ssd_new(tg);
    train(tg, net, brief ? 150 : 1000);
    static found list[TESTS * PRIORS * KINDS];
    test_detector(tg, net, find, list, LARGEST, "ssd.png");
    bool failed = tg_failed(tg);                               /* the message is on stderr already */
    tg_close(tg);
    return failed;
}
