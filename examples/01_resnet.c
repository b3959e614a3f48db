/* 01_resnet.c - a ResNet learns to name coloured shapes.

   The program draws its pictures: one of eight shapes of any size, place, angle and colour, over a ground of another
   colour, with noise and a stroke of clutter. Every batch is drawn anew.

       cc -O2 examples/01_resnet.c -o 01_resnet -lm && ./01_resnet        about half a minute
       ./01_resnet short                                                  a few steps, for the tests

   Prints the loss (2.08 = log 8 for a network that knows nothing), how many of 1,024 unseen pictures it names
   correctly (about 97%), and which shapes it takes for which. Writes resnet.png: eight pictures a row, each row
   what the network took for one shape. */

#define TENSORGRAD_IMPLEMENTATION
#include "../tensorgrad.h"
#include "draw.h"

enum { SIDE = 24, PIXELS = SIDE * SIDE, BATCH = 64, TEST_BATCHES = 16 };

/* ---- The pictures. ---- */

/* Draws a shape anywhere. (One roll for each statement: C evaluates arguments in any order.) */
static void toss(float *picture, int shape, float radius, const float *ink, uint64_t *dice) {
    float x = roll(dice, radius, SIDE - radius);
    float y = roll(dice, radius, SIDE - radius);
    draw_shape(picture, 3, SIDE, shape, x, y, radius, roll(dice, -0.6f, 0.6f), ink);
}

static void draw_batch(tg_ctx *tg, uint64_t *dice, tg_tensor **pictures, tg_tensor **labels) {
    static float pixels[BATCH][3 * PIXELS];
    static int64_t label[BATCH];
    for (int i = 0; i < BATCH; i++) {
        float ground[3], ink[3], clutter[3], radius = roll(dice, 6, 11);
        for (int k = 0; k < 3; k++) {
            ground[k] = roll(dice, 0, 1);
            clutter[k] = roll(dice, 0, 1);
            ink[k] = ground[k] + (ground[k] < 0.5f ? roll(dice, 0.2f, 0.5f) : roll(dice, -0.5f, -0.2f));
        }
        for (int p = 0; p < 3 * PIXELS; p++) pixels[i][p] = ground[p / PIXELS];
        label[i] = roll_int(dice, SHAPES);
        toss(pixels[i], (int)label[i], radius, ink, dice);
        toss(pixels[i], DISC, 3, clutter, dice);
        for (int p = 0; p < 3 * PIXELS; p++) pixels[i][p] += roll(dice, -0.1f, 0.1f);
    }
    *pictures = tg_from_f32(tg, TG_SHAPE(BATCH, 3, SIDE, SIDE), pixels[0]);
    *labels = tg_from(tg, TG_SHAPE(BATCH), TG_I64, label);
}

/* ---- The network. ---- */

/* x + what two convolutions find in it. Where the picture is halved, x goes through a convolution of one pixel. */
typedef struct block { tg_module m; tg_module *path, *shortcut; } block;

static tg_tensor *block_forward(tg_module *m, tg_tensor *x) {
    block *b = (block *)m;
    return tg_relu(tg_add(tg_forward(b->path, x), tg_forward(b->shortcut, x)));
}

static tg_module *block_new(tg_ctx *tg, int64_t in, int64_t out, int64_t stride) {
    block *b = TG_MODULE(tg, block, block_forward);
    TG_PART(b, path, tg_nn_sequential(tg,
        tg_nn_conv2d(tg, in, out, 3, .padding = {1, 1}, .stride = {stride, stride}, .no_bias = true),
        tg_nn_batch_norm2d(tg, out), tg_nn_relu(tg),
        tg_nn_conv2d(tg, out, out, 3, .padding = {1, 1}, .no_bias = true),
        tg_nn_batch_norm2d(tg, out)));
    TG_PART(b, shortcut, in == out ? tg_nn_identity(tg) : tg_nn_sequential(tg,
        tg_nn_conv2d(tg, in, out, 1, .stride = {stride, stride}, .no_bias = true),
        tg_nn_batch_norm2d(tg, out)));
    return TG_MODULE_OF(b);
}

static tg_module *resnet_new(tg_ctx *tg) {
    return tg_nn_sequential(tg,                                                            /* [N, 3, 24, 24]  */
        tg_nn_conv2d(tg, 3, 16, 3, .padding = {1, 1}, .no_bias = true),
        tg_nn_batch_norm2d(tg, 16), tg_nn_relu(tg),                                        /* [N, 16, 24, 24] */
        block_new(tg, 16, 32, 2), block_new(tg, 32, 32, 1),                                /* [N, 32, 12, 12] */
        block_new(tg, 32, 64, 2), block_new(tg, 64, 64, 1),                                /* [N, 64, 6, 6]   */
        tg_nn_adaptive_avg_pool2d(tg, TG_DIMS(1, 1)), tg_nn_flatten(tg),                   /* [N, 64]         */
        tg_nn_linear(tg, 64, SHAPES));                                                     /* [N, 8]          */
}

/* ---- Training and test. ---- */

static void train(tg_ctx *tg, tg_module *net, int steps) {
    const double rate = 0.01;
    tg_optim *adam = tg_optim_adamw(net, rate);
    uint64_t dice = 1;
    double average = 2.08, begin = tg_seconds(tg);
    for (int step = 1; step <= steps && !tg_failed(tg); step++) {
        tg_mark scope = tg_begin(tg);
        tg_tensor *pictures, *labels;
        draw_batch(tg, &dice, &pictures, &labels);
        tg_optim_set_lr(adam, 0, tg_one_cycle_lr(rate, step - 1, steps));
        tg_tensor *loss = tg_cross_entropy(tg_forward(net, pictures), labels);
        tg_backward(loss);
        tg_step(adam);
        average += 0.1 * (tg_item(loss) - average);
        tg_end(tg, scope);
        if (step % 25 && step < steps) continue;
        printf("step %d  loss %.3f  %.0f pictures/s\n", step, average, step * BATCH / (tg_seconds(tg) - begin));
        fflush(stdout);
    }
}

static void test(tg_ctx *tg, tg_module *net) {
    static float sheet[SHAPES][8][3 * PIXELS];
    int taken[SHAPES][SHAPES] = {{0}}, on_sheet[SHAPES] = {0}, right = 0;
    uint64_t dice = 1234567;
    tg_infer_begin(net);                                   /* batch norms use what they have gathered, and nothing is recorded */
    for (int batch = 0; batch < TEST_BATCHES && !tg_failed(tg); batch++) {
        tg_mark scope = tg_begin(tg);
        tg_tensor *pictures, *labels;
        int64_t label[BATCH], guess[BATCH];
        draw_batch(tg, &dice, &pictures, &labels);
        if (tg_read(labels, label, sizeof label)
            && tg_read(tg_argmax_dim(tg_forward(net, pictures), 1, false), guess, sizeof guess)) {
            for (int i = 0; i < BATCH; i++) {
                taken[label[i]][guess[i]]++;
                right += label[i] == guess[i];
                if (on_sheet[guess[i]] == 8) continue;
                tg_read(tg_select(pictures, 0, i), sheet[guess[i]][on_sheet[guess[i]]++], sizeof sheet[0][0]);
            }
        }
        tg_end(tg, scope);
    }
    printf("\n%-12s", "taken for");
    for (int k = 0; k < SHAPES; k++) printf("%9s", shape_names[k]);
    for (int shape = 0; shape < SHAPES; shape++) {
        printf("\n%-12s", shape_names[shape]);
        for (int k = 0; k < SHAPES; k++) printf("%9d", taken[shape][k]);
    }
    int all = TEST_BATCHES * BATCH;
    printf("\n\n%.2f%% of %d unseen pictures are named correctly\n", 100.0 * right / all, all);
    save_sheet("resnet.png", sheet[0][0], SHAPES * 8, 3, SIDE, 8, 3);
}

int main(int argc, char **argv) {
    bool brief = argc > 1 && strcmp(argv[1], "short") == 0;
    tg_ctx *tg = tg_open(&(tg_config){ .threads = -1 });
    if (!tg) return 1;
    tg_module *net = resnet_new(tg);
    printf("%d numbers to learn\n", (int)tg_parameter_count(net));
    train(tg, net, brief ? 80 : 400);
    test(tg, net);
    bool failed = tg_failed(tg);                           /* the message is on stderr already */
    tg_close(tg);
    return failed;
}
