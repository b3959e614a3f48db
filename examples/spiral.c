/* spiral.c - a network of bare tensors learns to tell two interleaved spirals apart, drawn while it learns.

   No layer, no optimiser, no data set from elsewhere: the points come from a formula, a layer is
   tg_tanh(tg_linear(x, weight, bias)), and the training step is gradient descent with momentum in three lines.

       cc examples/spiral.c -o spiral && ./spiral        six pictures, one below the other
       ./spiral live                                     one moving picture in colours (ANSI sequences)

   A picture is the network's opinion of every place: ' ' or '.' where it is sure or fairly sure of the first
   spiral, '#' or ':' of the second. The points themselves are o and x. Below it stands the loss, which falls from
   0.6 after 64 steps to less than 0.01 after 2048. The last line is "accuracy 100.0%". */

#define TENSORGRAD_IMPLEMENTATION
#include "../tensorgrad.h"
#include <stdio.h>
#include <string.h>

enum { POINTS = 200, HIDDEN = 64, WIDE = 63, HIGH = 29, STEPS = 2048 };

static const double pi = 3.14159265358979;

/* ---- The data: points at the radius t and the angle 4 pi t, for t from 0 to 1, and a little noise. ---- */

static tg_tensor *spiral(tg_ctx *tg, double turn) {
    tg_tensor *t = tg_div_scalar(tg_arange(tg, 10, 10 + POINTS, 1, TG_F32), 10 + POINTS);
    tg_tensor *angle = tg_add_scalar(tg_mul_scalar(t, 4 * pi), turn);
    tg_tensor *xy[2] = { tg_mul(t, tg_cos(angle)), tg_mul(t, tg_sin(angle)) };
    return tg_add_scaled(tg_stack(xy, 2, 1), tg_randn(tg, TG_SHAPE(POINTS, 2)), 0.015);      /* [POINTS, 2] */
}

/* ---- The network: 2 -> HIDDEN -> HIDDEN -> 2. ---- */

enum { W1, B1, W2, B2, W3, B3, WEIGHTS };

static tg_tensor *forward(tg_tensor *const *w, tg_tensor *x) {               /* [N, 2]                           */
    x = tg_tanh(tg_linear(x, w[W1], w[B1]));                                 /* [N, HIDDEN]                      */
    x = tg_tanh(tg_linear(x, w[W2], w[B2]));                                 /* [N, HIDDEN]                      */
    return tg_linear(x, w[W3], w[B3]);                                       /* [N, 2], one score for each class */
}

/* One step down the slope of the loss: v = 0.9 v + gradient, w = w - rate v. Returns the loss. */
static double step(tg_ctx *tg, tg_tensor **w, tg_tensor **v, tg_tensor *x, tg_tensor *y, double rate) {
    tg_mark scope = tg_begin(tg);                          /* what is made from here on ends with the scope */
    tg_tensor *loss = tg_cross_entropy(forward(w, x), y);
    tg_backward(loss);
    bool was = tg_grad_mode(tg, false);                    /* the step itself is not to be differentiated */
    for (int i = 0; i < WEIGHTS && !tg_failed(tg); i++) {
        tg_add_(tg_mul_(v[i], tg_number(tg, 0.9)), tg_grad_of(w[i]));
        tg_add_scaled_(w[i], v[i], -rate);
        tg_zero_grad(w[i]);
    }
    tg_grad_mode(tg, was);
    double value = tg_item(loss);
    tg_end(tg, scope);
    return value;
}

/* ---- The picture. ---- */

/* The middle of character (row, column) is the place (x, y); both run from -1.1 to 1.1, y upwards. */
static double place(int i, int n) { return 1.1 * (2 * i + 1 - n) / n; }
static int character(double v, int n) { return (int)((v / 1.1 * n + n) / 2); }

static void draw(tg_ctx *tg, tg_tensor *const *w, tg_tensor *points, bool live) {
    static float where[HIGH * WIDE][2], sure[HIGH * WIDE], xy[2 * POINTS][2];
    static char picture[HIGH][WIDE];
    tg_mark scope = tg_begin(tg);
    bool was = tg_grad_mode(tg, false);
    for (int i = 0; i < HIGH * WIDE; i++) {
        where[i][0] = (float)place(i % WIDE, WIDE);
        where[i][1] = (float)-place(i / WIDE, HIGH);
    }
    tg_tensor *scores = forward(w, tg_from_f32(tg, TG_SHAPE(HIGH * WIDE, 2), where[0]));
    tg_read_f32(tg_select(tg_softmax(scores, 1), 1, 1), sure, HIGH * WIDE);
    tg_read_f32(points, xy[0], 2 * POINTS * 2);
    tg_grad_mode(tg, was);
    tg_end(tg, scope);

    for (int i = 0; i < HIGH * WIDE; i++) {
        picture[i / WIDE][i % WIDE] = sure[i] < 0.1f ? ' ' : sure[i] < 0.5f ? '.' : sure[i] < 0.9f ? ':' : '#';
    }
    for (int i = 0; i < 2 * POINTS; i++) {
        int row = character(-xy[i][1], HIGH), column = character(xy[i][0], WIDE);
        if (row >= 0 && row < HIGH && column >= 0 && column < WIDE) picture[row][column] = i < POINTS ? 'o' : 'x';
    }
    if (live) printf("\x1b[H");                                              /* back to the upper left corner */
    for (int row = 0; row < HIGH; row++) {
        for (int column = 0, last = 0; column < WIDE; column++) {
            char c = picture[row][column];
            float v = sure[row * WIDE + column];
            int colour = v < 0.1f ? 44 : v < 0.5f ? 104 : v < 0.9f ? 103 : 43;   /* from blue to yellow */
            if (live && colour != last) printf("\x1b[30;%dm", last = colour);
            putchar(live && c != 'o' && c != 'x' ? ' ' : c);
        }
        printf(live ? "\x1b[0m\n" : "\n");
    }
}

int main(int argc, char **argv) {
    bool live = argc > 1 && strcmp(argv[1], "live") == 0;
    tg_ctx *tg = tg_open(NULL);
    if (!tg) return 1;

    /* Made outside of any scope: these live until tg_close. */
    tg_tensor *arms[2] = { spiral(tg, 0), spiral(tg, pi) };
    tg_tensor *x = tg_cat(arms, 2, 0);                                                           /* [2 POINTS, 2] */
    tg_tensor *y = tg_to(tg_ge(tg_arange(tg, 0, 2 * POINTS, 1, TG_I64), tg_integer(tg, POINTS)), TG_I64);
    tg_tensor *w[WEIGHTS] = {
        tg_randn(tg, TG_SHAPE(HIDDEN, 2)),                                tg_randn(tg, TG_SHAPE(HIDDEN)),
        tg_mul_scalar(tg_randn(tg, TG_SHAPE(HIDDEN, HIDDEN)), 0.2),       tg_zeros(tg, TG_SHAPE(HIDDEN)),
        tg_mul_scalar(tg_randn(tg, TG_SHAPE(2, HIDDEN)), 0.2),            tg_zeros(tg, TG_SHAPE(2)),
    }, *v[WEIGHTS];
    for (int i = 0; i < WEIGHTS; i++) {
        v[i] = tg_zeros_like(w[i]);
        tg_require_grad(w[i], true);
    }

    if (live) printf("\x1b[2J");                                             /* clear the screen */
    for (int i = 1, next = live ? 2 : 64; i <= STEPS && !tg_failed(tg); i++) {
        double loss = step(tg, w, v, x, y, 0.1);
        if (i < next) continue;
        next = live ? i + 2 : 2 * i;
        draw(tg, w, x, live);
        printf("step %4d  loss %.4f\n%s", i, loss, live ? "" : "\n");
        fflush(stdout);
    }
    tg_grad_mode(tg, false);
    tg_tensor *right = tg_eq(tg_argmax_dim(forward(w, x), 1, false), y);                       /* [2 POINTS] */
    printf("accuracy %.1f%%\n", 100 * tg_item(tg_mean(tg_to(right, TG_F32))));
    bool failed = tg_failed(tg);
    tg_close(tg);
    return failed;
}
