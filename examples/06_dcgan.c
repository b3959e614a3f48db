/* 06_dcgan.c - two networks against each other: one forges pictures of shapes, the other tells them from real ones.

   The forger makes pictures of random numbers by transposed convolutions; the judge is a convolutional network. Each step
   the judge learns from 64 real and 64 forged pictures, and then the forger from what the judge said of his.

       cc -O2 examples/06_dcgan.c -o 06_dcgan -lm && ./06_dcgan        about half a minute
       ./06_dcgan short                                                a few steps, for the tests

   Prints how often the judge takes real and forged pictures for real (0.5 and 0.5 would be a draw), and how far forgeries
   are from the nearest of 1,000 drawn pictures. Writes dcgan.png: eight stages of training, a row each, of the same
   random numbers. */

#define TENSORGRAD_IMPLEMENTATION
#include "../tensorgrad.h"
#include "draw.h"

enum { SIDE = 16, PIXELS = SIDE * SIDE, BATCH = 64, NOISE = 32, WIDTH = 24, DRAWN = 1000, SHOWN = 16, STAGES = 8 };

/* White shapes on black, from -1 to 1, as tanh makes them. */
static tg_tensor *draw_pictures(tg_ctx *tg, int n, uint64_t *dice) {
    static float pixels[DRAWN][PIXELS];
    for (int i = 0; i < n; i++) draw_white(pixels[i], SIDE, dice);
    return tg_from_f32(tg, TG_SHAPE(n, 1, SIDE, SIDE), pixels[0]);
}

/* Twice as large, and half as large. */
static tg_module *up(tg_ctx *tg, int64_t in, int64_t out) {
    return tg_nn_conv_transpose2d(tg, in, out, 4, .stride = {2, 2}, .padding = {1, 1}, .no_bias = true);
}
static tg_module *down(tg_ctx *tg, int64_t in, int64_t out) {
    return tg_nn_conv2d(tg, in, out, 4, .stride = {2, 2}, .padding = {1, 1}, .no_bias = true);
}

static tg_module *forger_new(tg_ctx *tg) {
    return tg_nn_sequential(tg,                                                                  /* [N, NOISE]         */
        tg_nn_linear(tg, NOISE, 4 * WIDTH * 4 * 4), tg_nn_unflatten(tg, 1, TG_DIMS(4 * WIDTH, 4, 4)),
        tg_nn_batch_norm2d(tg, 4 * WIDTH), tg_nn_relu(tg),                                       /* [N, 4 WIDTH, 4, 4] */
        up(tg, 4 * WIDTH, 2 * WIDTH), tg_nn_batch_norm2d(tg, 2 * WIDTH), tg_nn_relu(tg),         /* [N, 2 WIDTH, 8, 8] */
        up(tg, 2 * WIDTH, 1), tg_nn_tanh(tg));                                                   /* [N, 1, 16, 16]     */
}

static tg_module *judge_new(tg_ctx *tg) {
    return tg_nn_sequential(tg,
        down(tg, 1, WIDTH), tg_nn_leaky_relu(tg, 0.2),                                           /* [N, WIDTH, 8, 8]   */
        down(tg, WIDTH, 2 * WIDTH), tg_nn_batch_norm2d(tg, 2 * WIDTH), tg_nn_leaky_relu(tg, 0.2),/* [N, 2 WIDTH, 4, 4] */
        tg_nn_flatten(tg), tg_nn_linear(tg, 2 * WIDTH * 4 * 4, 1));                              /* [N, 1]             */
}

/* The loss of a judge who should have said `real` (0.9: never quite sure) or 0 of these. */
static tg_tensor *loss_for(tg_tensor *said, double answer) {
    return tg_binary_cross_entropy_with_logits(said, tg_full_like(said, answer));
}

static double share_real(tg_tensor *said) { return tg_item(tg_mean(tg_to(tg_gt_scalar(said, 0), TG_F32))); }

static void keep_stage(tg_ctx *tg, tg_module *forger, tg_tensor *noise, float *row) {
    tg_mark scope = tg_begin(tg);
    bool was = tg_grad_mode(tg, false);
    tg_train(forger, false);
    tg_tensor *grey = tg_add_scalar(tg_mul_scalar(tg_forward(forger, noise), 0.5), 0.5);
    tg_train(forger, true);
    tg_read_f32(tg_narrow(grey, 0, 0, SHOWN), row, SHOWN * PIXELS);
    tg_grad_mode(tg, was);
    tg_end(tg, scope);
}

/* The mean over pictures of the distance to the nearest drawn one, for a pixel. */
static double nearness(tg_tensor *x, tg_tensor *drawn) {
    tg_tensor *distance = tg_cdist(tg_flatten(x, 1, -1), tg_flatten(drawn, 1, -1), 1, TG_CDIST_AUTO);
    return tg_item(tg_mean(tg_amin_dims(distance, TG_DIMS(1), false))) / PIXELS;
}

int main(int argc, char **argv) {
    static float sheet[STAGES][SHOWN * PIXELS];
    bool brief = argc > 1 && strcmp(argv[1], "short") == 0;
    const int steps = brief ? 152 : 1200;
    uint64_t dice = 1;
    tg_ctx *tg = tg_open(&(tg_config){ .threads = -1 });
    if (!tg) return 1;
    tg_module *forger = forger_new(tg), *judge = judge_new(tg);
    tg_optim *of_forger = tg_optim_adam(forger, 1e-3, .betas = {TG_IS(0.5)});
    tg_optim *of_judge = tg_optim_adam(judge, 5e-4, .betas = {TG_IS(0.5)});
    tg_tensor *same = tg_randn(tg, TG_SHAPE(BATCH, NOISE));
    double real_share = 0.5, forged_share = 0.5;
    for (int step = 1; step <= steps && !tg_failed(tg); step++) {
        tg_mark scope = tg_begin(tg);
        tg_tensor *real = draw_pictures(tg, BATCH, &dice);
        tg_tensor *forged = tg_forward(forger, tg_randn(tg, TG_SHAPE(BATCH, NOISE)));

        /* The judge: forgeries come detached, so that the forger learns nothing from this. */
        tg_tensor *of_real = tg_forward(judge, real), *of_forged = tg_forward(judge, tg_detach(forged));
        tg_backward(tg_add(loss_for(of_real, 0.9), loss_for(of_forged, 0)));
        tg_step(of_judge);

        /* The forger: his pictures should have been taken for real. The judge's gradients of this are thrown away. */
        tg_backward(loss_for(tg_forward(judge, forged), 1));
        tg_step(of_forger);
        tg_module_zero_grad(judge);

        real_share += 0.05 * (share_real(of_real) - real_share);
        forged_share += 0.05 * (share_real(of_forged) - forged_share);
        tg_end(tg, scope);
        if (step % (steps / STAGES) == 0) {
            printf("step %d  taken for real: %.2f of the real, %.2f of the forged\n", step, real_share, forged_share);
            fflush(stdout);
            keep_stage(tg, forger, same, sheet[step / (steps / STAGES) - 1]);
        }
    }
    tg_grad_mode(tg, false);
    tg_train(forger, false);
    dice = 1234567;
    tg_tensor *drawn = draw_pictures(tg, DRAWN, &dice), *others = draw_pictures(tg, BATCH, &dice);
    printf("from the nearest drawn picture a pixel differs by %.3f in another drawn one, %.3f in a forgery\n",
           nearness(others, drawn), nearness(tg_forward(forger, same), drawn));
    save_sheet("dcgan.png", sheet[0], STAGES * SHOWN, 1, SIDE, SHOWN, 3);
    bool failed = tg_failed(tg);                           /* the message is on stderr already */
    tg_close(tg);
    return failed;
}
