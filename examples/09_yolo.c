/* 09_yolo.c - finds shapes in pictures: where they are, how large, and what, in one look, as YOLO does.

   A picture of 64 x 64 is divided into 8 x 8 cells. The network says for each cell whether the middle of a shape lies in
   it, where in it, how wide and high the shape is, and which of four it is. What is said twice is removed by non-maximum
   suppression.

       cc -O2 examples/09_yolo.c -o 09_yolo -lm && ./09_yolo        some ten seconds
       ./09_yolo short                                              a few steps, for the tests

   Prints the loss and, on 256 unseen pictures, the mean average precision: the area under precision over recall, where a
   box counts as found if it shares half of its area with the true one (mAP@0.5); 0.99 when it is learned. Writes
   yolo.png, pictures with the boxes that were found. */

#define TENSORGRAD_IMPLEMENTATION
#include "../tensorgrad.h"
#include "boxes.h"

enum { GRID = 8, CELL = SIDE / GRID, SAID = 5 + KINDS, BATCH = 16, WIDTH = 16, LARGEST = 12 };

/* ---- The network: [N, 3, 64, 64] -> [N, SAID, 8, 8]. SAID is: is there one, x and y in the cell, size, kinds. ---- */

static tg_module *halve(tg_ctx *tg, int64_t in, int64_t out) {
    return tg_nn_sequential(tg, tg_nn_conv2d(tg, in, out, 3, .padding = {1, 1}, .stride = {2, 2}, .no_bias = true),
        tg_nn_batch_norm2d(tg, out), tg_nn_silu(tg));
}
static tg_module *look(tg_ctx *tg, int64_t in, int64_t out) {
    return tg_nn_sequential(tg, tg_nn_conv2d(tg, in, out, 3, .padding = {1, 1}, .no_bias = true),
        tg_nn_batch_norm2d(tg, out), tg_nn_silu(tg));
}

static tg_module *net_new(tg_ctx *tg) {
    return tg_nn_sequential(tg, halve(tg, 3, WIDTH), halve(tg, WIDTH, 2 * WIDTH), halve(tg, 2 * WIDTH, 4 * WIDTH),
        look(tg, 4 * WIDTH, 4 * WIDTH), look(tg, 4 * WIDTH, 4 * WIDTH), tg_nn_conv2d(tg, 4 * WIDTH, SAID, 1));
}

/* What it should have said, and its error: whether there is one is asked of every cell, the rest of those that have one.
   Sizes are parts of the picture's. */
static tg_tensor *loss_of(tg_ctx *tg, tg_tensor *said, const scene *scenes) {
    static float target[BATCH][5][GRID * GRID];
    static int64_t kind[BATCH][GRID * GRID];
    memset(target, 0, sizeof target);
    for (int i = 0; i < BATCH; i++) {
        for (int c = 0; c < GRID * GRID; c++) kind[i][c] = -100;                           /* does not count */
        for (int k = 0; k < scenes[i].count; k++) {
            const thing *t = &scenes[i].things[k];
            float x = (t->box[0] + t->box[2]) / 2 / CELL, y = (t->box[1] + t->box[3]) / 2 / CELL;
            int column = (int)x, row = (int)y;
            float answer[5] = { 1, x - (float)column, y - (float)row,
                                (t->box[2] - t->box[0]) / SIDE, (t->box[3] - t->box[1]) / SIDE };
            for (int a = 0; a < 5; a++) target[i][a][row * GRID + column] = answer[a];
            kind[i][row * GRID + column] = t->kind;
        }
    }
    tg_tensor *right = tg_from_f32(tg, TG_SHAPE(BATCH, 5, GRID, GRID), target[0][0]);
    tg_tensor *is_there = tg_narrow(right, 1, 0, 1);
    tg_tensor *there = tg_binary_cross_entropy_with_logits(tg_narrow(said, 1, 0, 1), is_there, .reduction = TG_LOSS_SUM);
    tg_tensor *box = tg_mul(tg_sub(tg_sigmoid(tg_narrow(said, 1, 1, 4)), tg_narrow(right, 1, 1, 4)), is_there);
    tg_tensor *what = tg_cross_entropy(tg_narrow(said, 1, 5, KINDS), tg_from(tg, TG_SHAPE(BATCH, GRID, GRID), TG_I64, kind),
                                       .reduction = TG_LOSS_SUM);
    tg_tensor *sum = tg_add(tg_add(there, what), tg_mul_scalar(tg_sum(tg_square(box)), 20));
    return tg_div_scalar(sum, BATCH);
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
        tg_tensor *said = tg_forward(net, tg_from_f32(tg, TG_SHAPE(BATCH, 3, SIDE, SIDE), pixels[0]));
        tg_tensor *loss = loss_of(tg, said, scenes);
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

/* Appends what the network finds in one picture to list; score times kind's chance must be 5%, and boxes of one kind that
   share more than 0.4 of their area with a surer one go away. */
static int find(tg_ctx *tg, tg_module *net, const float *picture, int number, found *list) {
    float said[SAID][GRID * GRID];
    int n = 0;
    tg_mark scope = tg_begin(tg);
    tg_tensor *y = tg_select(tg_forward(net, tg_from_f32(tg, TG_SHAPE(1, 3, SIDE, SIDE), picture)), 0, 0);
    tg_tensor *all[2] = { tg_sigmoid(tg_narrow(y, 0, 0, 5)), tg_softmax(tg_narrow(y, 0, 5, KINDS), 0) };
    bool ok = tg_read_f32(tg_cat(all, 2, 0), said[0], SAID * GRID * GRID);
    for (int kind = 0; kind < KINDS && ok; kind++) {
        float box[GRID * GRID][4], score[GRID * GRID];
        int64_t stays[GRID * GRID], count = 0;
        for (int c = 0; c < GRID * GRID; c++) {
            float x = ((float)(c % GRID) + said[1][c]) * CELL, y_ = ((float)(c / GRID) + said[2][c]) * CELL;
            float w = said[3][c] * SIDE, h = said[4][c] * SIDE;
            if (said[0][c] * said[5 + kind][c] < 0.05f) continue;
            box[count][0] = x - w / 2; box[count][1] = y_ - h / 2; box[count][2] = x + w / 2; box[count][3] = y_ + h / 2;
            score[count++] = said[0][c] * said[5 + kind][c];
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
    tg_module *net = net_new(tg);
    train(tg, net, brief ? 150 : 600);
    static found list[TESTS * GRID * GRID * KINDS];
    test_detector(tg, net, find, list, LARGEST, "yolo.png");
    bool failed = tg_failed(tg);                               /* the message is on stderr already */
    tg_close(tg);
    return failed;
}
