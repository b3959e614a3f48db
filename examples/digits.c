/* digits.c - a small convolutional network learns to read handwritten-like digits.

   The program draws the digits itself: a pen follows splines through jittered points, with slant, scale, thickness, shift and
   noise, so no data has to be downloaded and no two digits are alike. Every training batch is drawn anew; the test digits come
   from another seed. Network, loss and the Adam optimiser are written out in tensorgrad calls.

       cc -O2 examples/digits.c -o digits && ./digits          learns for 800 steps
       ./digits 100                                            learns for 100 steps

   Prints a progress line, the share of 5,000 unseen digits that it reads correctly, and some of them with its guesses.
   (The pictures are made of Braille characters, in UTF-8.) */

#define TENSORGRAD_IMPLEMENTATION
#include "../tensorgrad.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SIDE = 28, PIXELS = SIDE * SIDE, BATCH = 64, TEST_BATCHES = 79, WARM_UP = 10 };

/* ---- the pen: draws a digit on 28 x 28 pixels ---- */

/* How people write: points "xy" on a grid of 10 x 10, y downwards. The pen runs smoothly through them; '/' is a sharp corner,
   '|' lifts the pen. */
static const char *const habits[10][3] = {
    { "41 22 26 49 68 75 72 50 31", "50 31 24 27 49 67 74 62 40", "30 23 26 59 77 73 50 20" },
    { "50 59",                      "32 50 / 59",                 "32 50 / 59 | 39 79"       },
    { "22 40 71 64 29 / 79",        "22 50 72 55 28 38 69 88",    "31 60 73 29 / 69 88"      },
    { "21 50 72 44 / 76 59 28",     "20 70 / 44 / 76 59 27",      "22 40 62 44 53 66 59 28"  },
    { "50 26 / 86 | 63 69",         "69 60 / 26 / 86",            "30 25 / 75 | 70 69"       },
    { "70 30 / 24 / 54 76 59 28",   "30 24 / 64 77 49 28 | 30 70", "72 31 33 65 67 49 28"    },
    { "60 33 26 49 68 75 54 27",    "40 26 38 69 77 55 36",       "71 50 23 27 59 77 55 26"  },
    { "20 70 / 49",                 "20 70 / 49 | 35 75",         "22 / 20 70 / 54 49"       },
    { "71 40 22 54 77 49 27 44 62 61", "40 22 44 62 50 | 44 27 49 77 54", "61 41 32 55 77 59 37 45 62 71" },
    { "72 50 22 45 72 / 79",        "72 40 23 55 72 76 59 28",    "62 40 23 45 63 71 / 59"   },
};

typedef struct point { float x, y; } point;
typedef struct pen { float *paper; float radius; } pen;

static float uniform(uint64_t *dice, float low, float high) {
    *dice = *dice * 6364136223846793005u + 1442695040888963407u;
    return low + (high - low) * (float)(*dice >> 40) / 16777216.0f;
}

/* Presses the round pen on the paper once. Squared distances make a soft edge one pixel wide, without a square root. */
static void press(const pen *p, float x, float y) {
    float outer = p->radius + 0.5f, soft = 1.0f / (2.0f * p->radius);
    int left = (int)(x - outer) < 0 ? 0 : (int)(x - outer), right = (int)(x + outer) >= SIDE ? SIDE - 1 : (int)(x + outer);
    int top = (int)(y - outer) < 0 ? 0 : (int)(y - outer), bottom = (int)(y + outer) >= SIDE ? SIDE - 1 : (int)(y + outer);
    for (int row = top; row <= bottom; row++) {
        float dy = (float)row + 0.5f - y, reach = outer * outer - dy * dy;
        float *pixel = p->paper + row * SIDE + left;
        for (int column = left; column <= right; column++, pixel++) {
            float dx = (float)column + 0.5f - x, ink = (reach - dx * dx) * soft;
            if (ink > *pixel) *pixel = ink < 1 ? ink : 1;
        }
    }
}

/* Runs through the points p[1] to p[n] on a Catmull-Rom spline; p[0] and p[n + 1] double the ends. */
static void stroke(const pen *pen, point *p, int n) {
    p[0] = p[1];
    p[n + 1] = p[n];
    for (int i = 1; i < n; i++) for (int step = 0; step <= 14; step++) {
        float t = (float)step / 14.0f;
        float a = t * (t * (2 - t) - 1), b = t * t * (3 * t - 5) + 2, c = t * (t * (4 - 3 * t) + 1), d = t * t * (t - 1);
        press(pen, 0.5f * (a * p[i - 1].x + b * p[i].x + c * p[i + 1].x + d * p[i + 2].x),
                   0.5f * (a * p[i - 1].y + b * p[i].y + c * p[i + 1].y + d * p[i + 2].y));
    }
}

static void draw(float *paper, int digit, uint64_t *dice) {
    float across = uniform(dice, 1.4f, 2.3f), down = uniform(dice, 1.7f, 2.3f);            /* pixels per step of the grid */
    float slant = uniform(dice, -0.8f, 0.5f), tilt = uniform(dice, -0.3f, 0.3f);
    float x0 = uniform(dice, 11.5f, 16.5f), y0 = uniform(dice, 11.5f, 16.5f);
    float ink = uniform(dice, 0.6f, 1.0f), noise = uniform(dice, 0.0f, 0.4f);
    const char *way = habits[digit][(int)uniform(dice, 0, 2.999f)];
    pen pen = { paper, uniform(dice, 0.7f, 1.7f) };
    point p[16];
    int n = 0;
    for (int i = 0; i < PIXELS; i++) paper[i] = 0;
    for (const char *c = way; *c; c++) {
        if (*c == '/') { stroke(&pen, p, n); p[1] = p[n]; n = 1; }
        else if (*c == '|') { stroke(&pen, p, n); n = 0; }
        else if (*c != ' ') {
            float gx = (float)(*c++ - '0') - 4.5f + uniform(dice, -0.6f, 0.6f), gy = (float)(*c - '0') - 4.5f + uniform(dice, -0.6f, 0.6f);
            p[++n] = (point){ x0 + across * gx + slant * gy, y0 + tilt * gx + down * gy };
        }
    }
    stroke(&pen, p, n);
    for (int i = 0; i < PIXELS; i++) {
        float grey = paper[i] * ink + noise * uniform(dice, -0.5f, 0.5f);
        paper[i] = grey < 0 ? 0 : grey > 1 ? 1 : grey;
    }
}

/* Draws a batch of digits chosen by the dice. */
static void draw_batch(tg_ctx *tg, uint64_t *dice, tg_tensor **images, tg_tensor **labels) {
    static float paper[BATCH][PIXELS];
    static int64_t digit[BATCH];
    for (int i = 0; i < BATCH; i++) {
        digit[i] = (int64_t)uniform(dice, 0, 9.999f);
        draw(paper[i], (int)digit[i], dice);
    }
    *images = tg_from_f32(tg, TG_SHAPE(BATCH, 1, SIDE, SIDE), paper[0]);
    *labels = tg_from(tg, TG_SHAPE(BATCH), TG_I64, digit);
}

/* ---- the network ---- */

/* A trained tensor with Adam's running means of its gradient and of the gradient's square. */
typedef struct parameter { tg_tensor *value, *mean, *square; } parameter;
typedef struct network { parameter conv1, bias1, conv2, bias2, full3, bias3, full4, bias4; } network;

/* Weights begin random with variance 2 / fan_in (He et al. 2015), biases at 0. */
static parameter make(tg_ctx *tg, double fan_in, int ndim, const int64_t *shape) {
    parameter p;
    p.value = fan_in > 0 ? tg_mul(tg_randn(tg, ndim, shape), tg_sqrt(tg_number(tg, 2 / fan_in))) : tg_zeros(tg, ndim, shape);
    p.value = tg_keep(tg_require_grad(p.value, true));
    p.mean = tg_keep(tg_zeros(tg, ndim, shape));
    p.square = tg_keep(tg_zeros(tg, ndim, shape));
    return p;
}

static network make_network(tg_ctx *tg) {
    network n;
    n.conv1 = make(tg, 1 * 5 * 5,  TG_SHAPE(12, 1, 5, 5));  n.bias1 = make(tg, 0, TG_SHAPE(12));
    n.conv2 = make(tg, 12 * 3 * 3, TG_SHAPE(24, 12, 3, 3)); n.bias2 = make(tg, 0, TG_SHAPE(24));
    n.full3 = make(tg, 24 * 7 * 7, TG_SHAPE(64, 24 * 7 * 7)); n.bias3 = make(tg, 0, TG_SHAPE(64));
    n.full4 = make(tg, 64,         TG_SHAPE(10, 64));       n.bias4 = make(tg, 0, TG_SHAPE(10));
    return n;
}

static tg_tensor *forward(const network *n, tg_tensor *x) {                                                      /* [N, 1, 28, 28] */
    x = tg_relu(tg_conv2d(x, n->conv1.value, n->bias1.value, .stride = {2, 2}, .padding = {2, 2}));              /* [N, 12, 14, 14] */
    x = tg_relu(tg_conv2d(x, n->conv2.value, n->bias2.value, .stride = {2, 2}, .padding = {1, 1}));              /* [N, 24, 7, 7] */
    x = tg_relu(tg_linear(tg_flatten(x, 1, -1), n->full3.value, n->bias3.value));                                /* [N, 64] */
    return tg_linear(x, n->full4.value, n->bias4.value);                                                         /* [N, 10] */
}

/* One step of Adam (Kingma and Ba 2014). The means begin at zero, so they are divided by how much of them is filled. */
static void adam(network *n, int step, double rate) {
    static const double beta1 = 0.9, beta2 = 0.99;
    double rest1 = 1, rest2 = 1;
    parameter *p = &n->conv1;
    for (int i = 0; i < step; i++) { rest1 *= beta1; rest2 *= beta2; }
    for (size_t i = 0; i < sizeof *n / sizeof *p; i++, p++) {
        tg_tensor *g = p->value->grad;
        tg_add_scaled_(p->mean, tg_sub(g, p->mean), 1 - beta1);
        tg_add_scaled_(p->square, tg_sub(tg_square(g), p->square), 1 - beta2);
        tg_tensor *size = tg_sqrt(tg_mul_scalar(p->square, 1 / (1 - rest2)));
        tg_addcdiv_(p->value, p->mean, tg_add_scalar(size, 1e-8), -rate / (1 - rest1));
        tg_zero_grad(p->value);
    }
}

static double train_step(tg_ctx *tg, network *n, uint64_t *dice, int step, double rate) {
    tg_mark scope = tg_begin(tg);                      /* everything made from here on ends with the scope: the graph too */
    tg_tensor *images, *labels;
    draw_batch(tg, dice, &images, &labels);
    tg_tensor *loss = tg_cross_entropy(forward(n, images), labels);
    tg_backward(loss);
    bool was = tg_grad_mode(tg, false);                /* the optimiser's own arithmetic is not part of the graph */
    adam(n, step, rate);
    tg_grad_mode(tg, was);
    double value = tg_item(loss);
    tg_end(tg, scope);
    return value;
}

/* ---- the show ---- */

typedef struct card { float image[PIXELS]; int digit, guess; } card;

/* Up to five digits side by side: a Braille character shows 2 x 4 pixels, one bit each. */
static void show(const card *cards, int n) {
    static const int bit[4][2] = { { 1, 8 }, { 2, 16 }, { 4, 32 }, { 64, 128 } };
    for (int row = 0; row < SIDE; row += 4, printf("\n")) for (int i = 0; i < n; i++, printf(" ")) for (int column = 0; column < SIDE; column += 2) {
        int dots = 0;
        for (int k = 0; k < 8; k++) if (cards[i].image[(row + k / 2) * SIDE + column + k % 2] > 0.4f) dots |= bit[k / 2][k % 2];
        printf("\xe2%c%c", 0xa0 + (dots >> 6), 0x80 + (dots & 63));
    }
    for (int i = 0; i < n; i++) printf(cards[i].guess == cards[i].digit ? "read as %d      " : "%d read as %d   ", cards[i].guess == cards[i].digit ? cards[i].guess : cards[i].digit, cards[i].guess);
    printf("\n");
}

static double seconds(void) {
#ifdef TIME_UTC
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
#else
    return (double)time(NULL);
#endif
}

int main(int argc, char **argv) {
    int steps = argc > 1 ? atoi(argv[1]) : 800;
    tg_ctx *tg = tg_open(NULL);
    uint64_t dice = 1, other_dice = 1234567;
    network net = make_network(tg);
    uint64_t host_calls = 0;
    double begin = seconds(), mean_loss = 2.3;

    for (int step = 1; step <= steps && !tg_failed(tg); step++) {
        double left = 1 - (double)(step - 1) / steps;                                      /* the rate falls to 0 in a straight line */
        mean_loss += 0.05 * (train_step(tg, &net, &dice, step, 0.004 * left) - mean_loss);
        if (step == WARM_UP) host_calls = tg_memory(tg).host_calls;
        if (step % 10 == 0 || step == steps) {
            double passed = seconds() - begin;
            printf("\rstep %d/%d  loss %.3f  %.0f digits/s  %.0f s left ", step, steps, mean_loss, step * BATCH / passed, passed / step * (steps - step));
            fflush(stdout);
        }
    }
    host_calls = tg_memory(tg).host_calls - host_calls;

    card right[5], wrong[5];
    int n_right = 0, n_wrong = 0, correct = 0;
    tg_grad_mode(tg, false);
    for (int b = 0; b < TEST_BATCHES && !tg_failed(tg); b++) {
        tg_mark scope = tg_begin(tg);
        tg_tensor *images, *labels;
        draw_batch(tg, &other_dice, &images, &labels);
        tg_tensor *guesses = tg_argmax_dim(forward(&net, images), 1, false);
        int64_t guess[BATCH], digit[BATCH];
        if (tg_read(guesses, guess, sizeof guess) && tg_read(labels, digit, sizeof digit)) for (int i = 0; i < BATCH; i++) {
            bool good = guess[i] == digit[i];
            card *c = good ? (n_right < 5 ? &right[n_right++] : NULL) : (n_wrong < 5 ? &wrong[n_wrong++] : NULL);
            correct += good;
            if (!c) continue;
            memcpy(c->image, (float *)images->data + i * PIXELS, sizeof c->image);
            c->digit = (int)digit[i]; c->guess = (int)guess[i];
        }
        tg_end(tg, scope);
    }
    printf("\n%.2f%% of %d unseen digits are read correctly\n", 100.0 * correct / (TEST_BATCHES * BATCH), TEST_BATCHES * BATCH);
    printf("calls of malloc after step %d: %d\n\n", WARM_UP, (int)host_calls);
    show(right, n_right);
    show(wrong, n_wrong);
    int failed = tg_failed(tg);
    tg_close(tg);
    return failed;
}
