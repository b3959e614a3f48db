/* 08_vae.c - a variational autoencoder puts shapes in a plane, and dreams of those that lie between.

   The encoder makes of a picture a place on a sheet (two numbers, and how unsure it is of them); the decoder draws the
   picture again from a place near it. Because places are blurred and drawn towards the middle, neighbours on the sheet
   look alike, and every place of it means something.

       cc -O2 examples/08_vae.c -o 08_vae -lm && ./08_vae        about 10 seconds
       ./08_vae short                                            a few steps, for the tests

   Prints the two parts of the loss: how badly pictures are drawn again (in nats for a picture: 784 log 2 = 543 for a
   decoder that says "perhaps" everywhere), and how much the places tell (KL). Writes vae_again.png, pictures and below
   each what became of it, and vae_sheet.png, the sheet. */

#define TENSORGRAD_IMPLEMENTATION
#include "../tensorgrad.h"
#include "draw.h"

enum { SIDE = 28, PIXELS = SIDE * SIDE, HIDDEN = 256, PLACE = 2, BATCH = 64, KINDS = 4 };

static tg_tensor *draw_batch(tg_ctx *tg, uint64_t *dice) {
    static const int kinds[KINDS] = { DISC, SQUARE, TRIANGLE, RING };
    static float pixels[BATCH][PIXELS];
    const float ink = 1;
    memset(pixels, 0, sizeof pixels);
    for (int i = 0; i < BATCH; i++) {
        int kind = kinds[roll_int(dice, KINDS)];
        draw_shape(pixels[i], 1, SIDE, kind, SIDE / 2, SIDE / 2, roll(dice, 4, 13), 0, &ink);
    }
    return tg_from_f32(tg, TG_SHAPE(BATCH, PIXELS), pixels[0]);
}

/* ---- The model. ---- */

typedef struct vae { tg_module m; tg_module *encoder, *decoder; } vae;

static vae *vae_new(tg_ctx *tg) {
    vae *v = TG_MODULE(tg, vae, NULL);
    TG_PART(v, encoder, tg_nn_sequential(tg,
        tg_nn_linear(tg, PIXELS, HIDDEN), tg_nn_relu(tg),
        tg_nn_linear(tg, HIDDEN, HIDDEN), tg_nn_relu(tg),
        tg_nn_linear(tg, HIDDEN, 2 * PLACE)));                             /* the mean, the logarithm of the variance */
    TG_PART(v, decoder, tg_nn_sequential(tg,
        tg_nn_linear(tg, PLACE, HIDDEN), tg_nn_relu(tg),
        tg_nn_linear(tg, HIDDEN, HIDDEN), tg_nn_relu(tg),
        tg_nn_linear(tg, HIDDEN, PIXELS)));                                /* logits: sigmoid makes them pixels       */
    return (vae *)TG_MODULE_OF(v);
}

static void encode(vae *v, tg_tensor *x, tg_tensor **mean, tg_tensor **log_var) {
    tg_tensor *both[2];
    tg_split(tg_forward(v->encoder, x), PLACE, 1, both, 2);
    *mean = both[0];
    *log_var = both[1];
}

/* Both parts for one picture: x is drawn from a place by lot, mean + deviation * noise, so that the gradient reaches mean
   and deviation; and -1/2 sum(1 + log_var - mean^2 - exp(log_var)) is the distance of that lot from the normal one. */
static void losses(vae *v, tg_tensor *x, tg_tensor **drawn, tg_tensor **told) {
    tg_tensor *mean, *log_var;
    encode(v, x, &mean, &log_var);
    tg_tensor *deviation = tg_exp(tg_mul_scalar(log_var, 0.5));
    tg_tensor *place = tg_add(mean, tg_mul(deviation, tg_randn_like(deviation)));
    tg_tensor *logits = tg_forward(v->decoder, place);
    *drawn = tg_div_scalar(tg_binary_cross_entropy_with_logits(logits, x, .reduction = TG_LOSS_SUM), BATCH);
    tg_tensor *parts = tg_sub(tg_sub(tg_add_scalar(log_var, 1), tg_square(mean)), tg_exp(log_var));
    *told = tg_mul_scalar(tg_sum(parts), -0.5 / BATCH);
}

static void train(tg_ctx *tg, vae *v, int steps) {
    const double rate = 2e-3;
    tg_optim *adam = tg_optim_adam(&v->m, rate);
    uint64_t dice = 1;
    double average[2] = { 543, 0 };
    for (int step = 1; step <= steps && !tg_failed(tg); step++) {
        tg_mark scope = tg_begin(tg);
        tg_tensor *drawn, *told;
        losses(v, draw_batch(tg, &dice), &drawn, &told);
        tg_backward(tg_add(drawn, told));
        tg_optim_set_lr(adam, 0, tg_cosine_annealing_lr(rate, step - 1, steps, 0));
        tg_step(adam);
        average[0] += 0.05 * (tg_item(drawn) - average[0]);
        average[1] += 0.05 * (tg_item(told) - average[1]);
        tg_end(tg, scope);
        if (step % 250 && step < steps) continue;
        printf("step %d  drawn again %.1f  told %.1f\n", step, average[0], average[1]);
        fflush(stdout);
    }
}

/* ---- What there is to see. ---- */

static tg_tensor *decode(vae *v, tg_tensor *place) { return tg_sigmoid(tg_forward(v->decoder, place)); }

static void show_again(tg_ctx *tg, vae *v) {
    enum { N = 16 };
    static float sheet[2 * N][PIXELS];
    uint64_t dice = 1234567;
    tg_tensor *x = tg_narrow(draw_batch(tg, &dice), 0, 0, N), *mean, *log_var;
    encode(v, x, &mean, &log_var);
    tg_tensor *y = decode(v, mean);
    printf("unseen pictures, drawn again, are off by %.4f for a pixel\n", tg_item(tg_l1_loss(y, x)));
    if (tg_read_f32(tg_cat((tg_tensor *[]){ x, y }, 2, 0), sheet[0], 2 * N * PIXELS))
        save_sheet("vae_again.png", sheet[0], 2 * N, 1, SIDE, N, 2);
}

/* N x N places, so that equally much of what the encoder uses lies between neighbours: quantiles of the normal lot. */
static void show_sheet(tg_ctx *tg, vae *v) {
    enum { N = 15 };
    static float sheet[N * N][PIXELS];
    static const float quantile[N] = { -1.83f, -1.28f, -0.97f, -0.73f, -0.52f, -0.34f, -0.17f, 0,
                                       0.17f, 0.34f, 0.52f, 0.73f, 0.97f, 1.28f, 1.83f };
    tg_tensor *q = tg_from_f32(tg, TG_SHAPE(N), quantile);
    tg_tensor *places = tg_cartesian_prod((tg_tensor *[]){ q, q }, 2);                   /* [N N, 2] */
    if (tg_read_f32(decode(v, places), sheet[0], N * N * PIXELS))
        save_sheet("vae_sheet.png", sheet[0], N * N, 1, SIDE, N, 2);
}

int main(int argc, char **argv) {
    bool brief = argc > 1 && strcmp(argv[1], "short") == 0;
    tg_ctx *tg = tg_open(&(tg_config){ .threads = -1 });
    if (!tg) return 1;
    vae *v = vae_new(tg);
    if (v) {
        train(tg, v, brief ? 400 : 4000);
        tg_grad_mode(tg, false);
        show_again(tg, v);
        show_sheet(tg, v);
    }
    bool failed = tg_failed(tg);                           /* the message is on stderr already */
    tg_close(tg);
    return failed;
}
