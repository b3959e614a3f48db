/* digits.c - a small convolutional network learns to read handwritten-like digits.

   The program draws the digits itself: a pen follows splines through jittered points, with slant, scale, thickness,
   shift and noise. So there is nothing to download, and no two digits are alike: every batch is drawn anew, the
   test digits with other dice. The network is a list of modules, the optimiser Adam; `examples/spiral.c` writes both out.

       cc -O2 examples/digits.c -o digits && ./digits        1000 steps, some seconds
       ./digits 100                                          100 steps

   Prints a progress line, how many of 5,056 unseen digits it reads correctly (about 99.5%; 86% after 100 steps),
   that training asked malloc for nothing after its first steps, and then ten digits with its guesses, five of them
   wrong if it got any wrong. The pictures are made of Braille characters: the terminal must know UTF-8. */

#define TENSORGRAD_IMPLEMENTATION
#include "../tensorgrad.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SIDE = 28, PIXELS = SIDE * SIDE, BATCH = 64, TEST_BATCHES = 79, WARM_UP = 10 };

/* ---- The pen: draws a digit on 28 x 28 pixels. ---- */

/* How people write. Points are "xy" on a grid of 10 x 10, y downwards; the pen runs smoothly from one to the next.
   '/' is a sharp corner, '|' lifts the pen. */
static const char *const habits[10][3] = {
    { "41 22 26 49 68 75 72 50 31",    "50 31 24 27 49 67 74 62 40",     "30 23 26 59 77 73 50 20"        },
    { "50 59",                         "32 50 / 59",                     "32 50 / 59 | 39 79"             },
    { "22 40 71 64 29 / 79",           "22 50 72 55 28 38 69 88",        "31 60 73 29 / 69 88"            },
    { "21 50 72 44 / 76 59 28",        "20 70 / 44 / 76 59 27",          "22 40 62 44 53 66 59 28"        },
    { "50 26 / 86 | 63 69",            "69 60 / 26 / 86",                "30 25 / 75 | 70 69"             },
    { "70 30 / 24 / 54 76 59 28",      "30 24 / 64 77 49 28 | 30 70",    "72 31 33 65 67 49 28"           },
    { "60 33 26 49 68 75 54 27",       "40 26 38 69 77 55 36",           "71 50 23 27 59 77 55 26"        },
    { "20 70 / 49",                    "20 70 / 49 | 35 75",             "22 / 20 70 / 54 49"             },
    { "71 40 22 54 77 49 27 44 62 61", "40 22 44 62 50 | 44 27 49 77 54", "61 41 32 55 77 59 37 45 62 71" },
    { "72 50 22 45 72 / 79",           "72 40 23 55 72 76 59 28",        "62 40 23 45 63 71 / 59"         },
};

typedef struct point { float x, y; } point;
typedef struct pen { float *paper, radius; } pen;

static float roll(uint64_t *dice, float low, float high) {
    *dice = *dice * 6364136223846793005u + 1442695040888963407u;
    return low + (high - low) * (float)(*dice >> 40) / 16777216.0f;
}

static int on_paper(float v) { return v < 0 ? 0 : v > SIDE - 1 ? SIDE - 1 : (int)v; }

/* Touches the paper once. Squared distances make a soft edge of a pixel without any square root. */
static void press(const pen *p, float x, float y) {
    float reach = p->radius + 0.5f, sharpness = 0.5f / p->radius;
    for (int row = on_paper(y - reach); row <= on_paper(y + reach); row++) {
        for (int column = on_paper(x - reach); column <= on_paper(x + reach); column++) {
            float dx = (float)column + 0.5f - x, dy = (float)row + 0.5f - y;
            float ink = (reach * reach - dx * dx - dy * dy) * sharpness;
            float *pixel = &p->paper[row * SIDE + column];
            if (ink > *pixel) *pixel = ink < 1 ? ink : 1;
        }
    }
}

/* Runs from at[1] to at[n] on a Catmull-Rom spline; at[0] and at[n + 1] are for the doubled ends. */
static void stroke(const pen *p, point *at, int n) {
    at[0] = at[1];
    at[n + 1] = at[n];
    for (point *q = at; q < at + n - 1; q++) for (int step = 0; step <= 14; step++) {
        float t = (float)step / 14;
        float a = t * (t * (2 - t) - 1), b = t * t * (3 * t - 5) + 2;
        float c = t * (t * (4 - 3 * t) + 1), d = t * t * (t - 1);
        press(p, (a * q[0].x + b * q[1].x + c * q[2].x + d * q[3].x) / 2,
                 (a * q[0].y + b * q[1].y + c * q[2].y + d * q[3].y) / 2);
    }
}

static void draw(float *paper, int digit, uint64_t *dice) {
    const char *habit = habits[digit][(int)roll(dice, 0, 2.999f)];
    pen p = { paper, roll(dice, 0.7f, 1.7f) };
    float width = roll(dice, 1.4f, 2.3f), height = roll(dice, 1.7f, 2.3f);       /* pixels per step of the grid */
    float slant = roll(dice, -0.8f, 0.5f), tilt = roll(dice, -0.3f, 0.3f);
    float x = roll(dice, 11.5f, 16.5f), y = roll(dice, 11.5f, 16.5f);            /* the middle of the digit */
    float ink = roll(dice, 0.6f, 1.0f), noise = roll(dice, 0.0f, 0.4f);
    point at[16];
    int n = 0;
    memset(paper, 0, PIXELS * sizeof *paper);
    for (; *habit; habit++) {
        if (*habit == '/') { stroke(&p, at, n); at[1] = at[n]; n = 1; }
        else if (*habit == '|') { stroke(&p, at, n); n = 0; }
        else if (*habit != ' ') {
            float right = (float)(*habit++ - '0') - 4.5f + roll(dice, -0.6f, 0.6f);
            float down = (float)(*habit - '0') - 4.5f + roll(dice, -0.6f, 0.6f);
            at[++n] = (point){ x + width * right + slant * down, y + tilt * right + height * down };
        }
    }
    stroke(&p, at, n);
    for (int i = 0; i < PIXELS; i++) {
        float grey = paper[i] * ink + roll(dice, -noise, noise) / 2;
        paper[i] = grey < 0 ? 0 : grey > 1 ? 1 : grey;
    }
}

static void draw_batch(tg_ctx *tg, uint64_t *dice, tg_tensor **images, tg_tensor **labels) {
    static float paper[BATCH][PIXELS];
    static int64_t digit[BATCH];
    for (int i = 0; i < BATCH; i++) {
        digit[i] = (int64_t)roll(dice, 0, 9.999f);
        draw(paper[i], (int)digit[i], dice);
    }
    *images = tg_from_f32(tg, TG_SHAPE(BATCH, 1, SIDE, SIDE), paper[0]);
    *labels = tg_from(tg, TG_SHAPE(BATCH), TG_I64, digit);
}

/* ---- The network: two convolutions that halve the picture, two full layers. ---- */

static tg_module *make_network(tg_ctx *tg) {
    return tg_nn_sequential(tg,                                                              /* [N, 1, 28, 28]  */
        tg_nn_conv2d(tg, 1, 12, 5, .padding = {2, 2}, .stride = {2, 2}), tg_nn_relu(tg),     /* [N, 12, 14, 14] */
        tg_nn_conv2d(tg, 12, 24, 3, .padding = {1, 1}, .stride = {2, 2}), tg_nn_relu(tg),    /* [N, 24, 7, 7]   */
        tg_nn_flatten(tg),
        tg_nn_linear(tg, 24 * 7 * 7, 64), tg_nn_relu(tg),                                    /* [N, 64]         */
        tg_nn_linear(tg, 64, 10));                                                           /* [N, 10]         */
}

/* ---- Training. ---- */

/* Returns the loss. Everything made after tg_begin, the graph too, ends with the scope. */
static double train_step(tg_ctx *tg, tg_module *net, tg_optim *adam, uint64_t *dice) {
    tg_mark scope = tg_begin(tg);
    tg_tensor *images, *labels;
    draw_batch(tg, dice, &images, &labels);
    tg_tensor *loss = tg_cross_entropy(tg_forward(net, images), labels);
    tg_backward(loss);
    tg_step(adam);                                     /* a step, and the gradients are gone */
    double value = tg_item(loss);
    tg_end(tg, scope);
    return value;
}

/* Processor time: near enough to the clock on the wall for one thread, and all that C99 has. */
static double seconds(void) { return (double)clock() / CLOCKS_PER_SEC; }

static void train(tg_ctx *tg, tg_module *net, int steps) {
    const double rate = 0.004;
    tg_optim *adam = tg_optim_adam(net, rate, .betas = {TG_IS(0.9), TG_IS(0.99)});
    uint64_t dice = 1, host_calls = 0;
    double begin = seconds(), average = 2.3;           /* the loss of a network that knows nothing is log(10) */
    for (int step = 1; step <= steps && !tg_failed(tg); step++) {
        tg_optim_set_lr(adam, 0, rate * (steps - step + 1) / steps);         /* falls to zero in a straight line */
        average += 0.05 * (train_step(tg, net, adam, &dice) - average);
        if (step == WARM_UP) host_calls = tg_memory(tg).host_calls;
        if (step % 10 && step < steps) continue;
        double per_step = (seconds() - begin) / step;
        printf("\rstep %d/%d  loss %.3f  %.0f digits/s  %.0f s to go ", step, steps, average,
               BATCH / per_step, per_step * (steps - step));
        fflush(stdout);
    }
    printf("\ncalls of malloc after step %d: %d\n", WARM_UP, (int)(tg_memory(tg).host_calls - host_calls));
}

/* ---- The test, and the show. ---- */

typedef struct card { float image[SIDE][SIDE]; int digit, guess; } card;

/* A Braille character shows 2 x 4 pixels, one bit each; its code is 0x2800 plus the bits. */
static void show(const card *cards, int n) {
    static const int bits[4][2] = { { 1, 8 }, { 2, 16 }, { 4, 32 }, { 64, 128 } };
    for (int y = 0; y < SIDE; y += 4) {
        for (int i = 0; i < n; i++) {
            for (int x = 0; x < SIDE; x += 2) {
                int code = 0x2800;
                for (int k = 0; k < 8; k++) {
                    if (cards[i].image[y + k / 2][x + k % 2] > 0.4f) code |= bits[k / 2][k % 2];
                }
                printf("%c%c%c", 0xe0 | code >> 12, 0x80 | (code >> 6 & 63), 0x80 | (code & 63));
            }
            printf("  ");
        }
        printf("\n");
    }
    for (int i = 0; i < n; i++) printf("drawn %d, read %d ", cards[i].digit, cards[i].guess);     /* as wide as a picture */
    printf("\n\n");
}

static void test(tg_ctx *tg, tg_module *net) {
    uint64_t dice = 1234567;
    static card cards[2][5];                           /* wrong, right */
    int count[2] = { 0, 0 };
    for (int batch = 0; batch < TEST_BATCHES && !tg_failed(tg); batch++) {
        tg_mark scope = tg_begin(tg);
        tg_tensor *images, *labels;
        int64_t digit[BATCH], guess[BATCH];
        draw_batch(tg, &dice, &images, &labels);
        tg_tensor *best = tg_argmax_dim(tg_forward(net, images), 1, false);
        bool ok = tg_read(labels, digit, sizeof digit) && tg_read(best, guess, sizeof guess);
        for (int i = 0; ok && i < BATCH; i++) {
            bool right = guess[i] == digit[i];
            if (count[right]++ >= 5) continue;
            card *c = &cards[right][count[right] - 1];
            ok = tg_read(tg_select(images, 0, i), c->image, sizeof c->image);
            c->digit = (int)digit[i];
            c->guess = (int)guess[i];
        }
        tg_end(tg, scope);
    }
    int all = TEST_BATCHES * BATCH;
    printf("%.2f%% of %d unseen digits are read correctly\n\n", 100.0 * count[1] / all, all);
    for (int right = 1; right >= 0; right--) {
        if (count[right]) printf("%s:\n", right ? "read correctly" : "misread");
        show(cards[right], count[right] < 5 ? count[right] : 5);
    }
}

int main(int argc, char **argv) {
    tg_ctx *tg = tg_open(NULL);
    if (!tg) return 1;
    tg_module *net = make_network(tg);
    train(tg, net, argc > 1 ? atoi(argv[1]) : 1000);
    tg_grad_mode(tg, false);
    test(tg, net);
    bool failed = tg_failed(tg);                       /* the message is on stderr already */
    tg_close(tg);
    return failed;
}
