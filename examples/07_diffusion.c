/* 07_diffusion.c - a diffusion model: pictures are made out of noise, step by step.

   Noise is added to a picture in 200 small steps, until nothing else is left. A small U-net learns to tell, from any of
   these steps, what noise was added. Going back from pure noise with its help makes pictures that nobody drew: by DDPM in
   all 200 steps, with a little fresh noise in each, and by DDIM, which needs no dice, in 20.

       cc -O2 examples/07_diffusion.c -o 07_diffusion -lm && ./07_diffusion        about a minute
       ./07_diffusion short                                                        a few steps, for the tests

   Prints the loss (1 for a network that knows nothing of the noise) and how near the pictures made are to the nearest of
   1,000 drawn ones. Writes diffusion_ddpm.png and diffusion_ddim.png, and diffusion_steps.png: how they become. */

#define TENSORGRAD_IMPLEMENTATION
#include "../tensorgrad.h"
#include "draw.h"

enum { SIDE = 16, PIXELS = SIDE * SIDE, STEPS = 200, BATCH = 48, WIDTH = 16, TIME = 64, MADE = 32, DRAWN = 1000 };

/* White shapes on black, from -1 to 1. */
static tg_tensor *draw_pictures(tg_ctx *tg, int n, uint64_t *dice) {
    static float pixels[DRAWN][PIXELS];
    for (int i = 0; i < n; i++) draw_white(pixels[i], SIDE, dice);
    return tg_from_f32(tg, TG_SHAPE(n, 1, SIDE, SIDE), pixels[0]);
}

/* ---- The network: down to a quarter of the size and up again, with the step told to every block. ---- */

typedef struct block { tg_module m; tg_module *conv1, *time, *norm, *conv2; } block;

static tg_module *block_new(tg_ctx *tg, int64_t in, int64_t out) {
    block *b = TG_MODULE(tg, block, NULL);
    TG_PART(b, conv1, tg_nn_conv2d(tg, in, out, 3, .padding = {1, 1}));
    TG_PART(b, time, tg_nn_linear(tg, TIME, out));
    TG_PART(b, norm, tg_nn_group_norm(tg, 8, out));
    TG_PART(b, conv2, tg_nn_conv2d(tg, out, out, 3, .padding = {1, 1}));
    return TG_MODULE_OF(b);
}

static tg_tensor *run(tg_module *m, tg_tensor *x, tg_tensor *time) {
    block *b = (block *)m;
    x = tg_silu(tg_forward(b->conv1, x));
    tg_tensor *told = tg_unflatten(tg_forward(b->time, time), 1, TG_DIMS(-1, 1, 1));      /* [N, C, 1, 1] */
    x = tg_forward(b->norm, tg_add(x, told));
    return tg_silu(tg_forward(b->conv2, x));
}

typedef struct unet { tg_module m; tg_module *time, *first, *half, *quarter, *middle, *half_up, *up, *last; } unet;

static unet *unet_new(tg_ctx *tg) {
    unet *u = TG_MODULE(tg, unet, NULL);
    TG_PART(u, time, tg_nn_sequential(tg, tg_nn_embedding(tg, STEPS, TIME), tg_nn_linear(tg, TIME, TIME), tg_nn_silu(tg)));
    TG_PART(u, first, block_new(tg, 1, WIDTH));
    TG_PART(u, half, block_new(tg, WIDTH, 2 * WIDTH));
    TG_PART(u, quarter, block_new(tg, 2 * WIDTH, 4 * WIDTH));
    TG_PART(u, middle, block_new(tg, 4 * WIDTH, 4 * WIDTH));
    TG_PART(u, half_up, block_new(tg, 6 * WIDTH, 2 * WIDTH));
    TG_PART(u, up, block_new(tg, 3 * WIDTH, WIDTH));
    TG_PART(u, last, tg_nn_conv2d(tg, WIDTH, 1, 3, .padding = {1, 1}));
    return (unet *)TG_MODULE_OF(u);
}

static tg_tensor *smaller(tg_tensor *x) { return tg_avg_pool2d(x, .kernel = {2, 2}); }

/* Twice as large, with what there was at that size before. */
static tg_tensor *larger(tg_tensor *x, tg_tensor *before) {
    return tg_cat((tg_tensor *[]){ tg_interpolate(x, .scale_factor = {2, 2}), before }, 2, 1);
}

/* Pictures [N, 1, SIDE, SIDE] with noise, and how many steps each has had, i64 [N]: the noise that is in them. */
static tg_tensor *unet_forward(unet *u, tg_tensor *x, tg_tensor *steps) {
    size_t mark = tg_module_enter(&u->m);
    tg_tensor *time = tg_forward(u->time, steps);
    tg_tensor *whole = run(u->first, x, time);                             /* [N, WIDTH, 16, 16]  */
    tg_tensor *half = run(u->half, smaller(whole), time);                  /* [N, 2 WIDTH, 8, 8]  */
    tg_tensor *quarter = run(u->quarter, smaller(half), time);             /* [N, 4 WIDTH, 4, 4]  */
    quarter = run(u->middle, quarter, time);
    half = run(u->half_up, larger(quarter, half), time);
    whole = run(u->up, larger(half, whole), time);
    return tg_module_leave(&u->m, mark, tg_forward(u->last, whole));
}

/* ---- The steps: left[t] is the part of the picture's variance that is left after step t. ---- */

static double left[STEPS + 1];

static void plan_steps(void) {
    left[0] = 1;
    for (int t = 0; t < STEPS; t++) left[t + 1] = left[t] * (1 - (0.0005 + (0.04 - 0.0005) * t / (STEPS - 1)));
}

static void train(tg_ctx *tg, unet *u, int steps) {
    const double rate = 3e-3;
    tg_optim *adam = tg_optim_adam(&u->m, rate);
    uint64_t dice = 1;
    double average = 1;
    float picture[STEPS], noise[STEPS];
    for (int t = 0; t < STEPS; t++) { picture[t] = (float)sqrt(left[t + 1]); noise[t] = (float)sqrt(1 - left[t + 1]); }
    tg_tensor *of_picture = tg_from_f32(tg, TG_SHAPE(STEPS, 1, 1, 1), picture);
    tg_tensor *of_noise = tg_from_f32(tg, TG_SHAPE(STEPS, 1, 1, 1), noise);
    for (int step = 1; step <= steps && !tg_failed(tg); step++) {
        tg_mark scope = tg_begin(tg);
        tg_tensor *x = draw_pictures(tg, BATCH, &dice), *e = tg_randn_like(x);
        tg_tensor *t = tg_randint(tg, 0, STEPS, TG_SHAPE(BATCH));
        tg_tensor *noisy = tg_add(tg_mul(x, tg_index_select(of_picture, 0, t)), tg_mul(e, tg_index_select(of_noise, 0, t)));
        tg_tensor *loss = tg_mse_loss(unet_forward(u, noisy, t), e);
        tg_backward(loss);
        tg_optim_set_lr(adam, 0, tg_cosine_annealing_lr(rate, step - 1, steps, 1e-5));
        tg_step(adam);
        average += 0.05 * (tg_item(loss) - average);
        tg_end(tg, scope);
        if (step % 100 && step < steps) continue;
        printf("step %d  loss %.4f\n", step, average);
        fflush(stdout);
    }
}

/* ---- Making pictures. From step t to step `to`: the noise e is told, the picture that it hides is guessed, and noise put
   back as belongs to `to`: the old one, but for a part of deviation `fresh`, which is new. DDIM: none is. ---- */

static tg_tensor *make(tg_ctx *tg, unet *u, int hops, bool ddim, float *film) {
    tg_tensor *x = tg_randn(tg, TG_SHAPE(MADE, 1, SIDE, SIDE));
    for (int hop = 0; hop < hops && !tg_failed(tg); hop++) {
        int t = STEPS - STEPS * hop / hops, to = STEPS - STEPS * (hop + 1) / hops;
        tg_mark scope = tg_begin(tg);
        tg_tensor *e = unet_forward(u, x, tg_full(tg, TG_SHAPE(MADE), t - 1, TG_I64));
        tg_tensor *guess = tg_div_scalar(tg_add_scaled(x, e, -sqrt(1 - left[t])), sqrt(left[t]));
        double fresh = ddim ? 0 : sqrt((1 - left[to]) / (1 - left[t]) * (1 - left[t] / left[to]));
        x = tg_add_scaled(tg_mul_scalar(tg_clamp(guess, -1, 1), sqrt(left[to])), e, sqrt(1 - left[to] - fresh * fresh));
        if (fresh > 0) x = tg_add_scaled(x, tg_randn_like(x), fresh);
        x = tg_end_with(tg, scope, x);
        if (film && hop % (hops / 10) == hops / 10 - 1) {
            tg_read_f32(tg_narrow(x, 0, 0, 10), film, 10 * PIXELS);
            film += 10 * PIXELS;
        }
    }
    return x;
}

static void save(const char *path, tg_tensor *x) {
    static float sheet[MADE * PIXELS];
    tg_tensor *grey = tg_add_scalar(tg_mul_scalar(x, 0.5), 0.5);
    if (tg_read_f32(grey, sheet, MADE * PIXELS)) save_sheet(path, sheet, MADE, 1, SIDE, 8, 4);
}

/* The mean over pictures of the distance to the nearest drawn one, for a pixel. */
static double nearness(tg_tensor *x, tg_tensor *drawn) {
    tg_tensor *distance = tg_cdist(tg_flatten(x, 1, -1), tg_flatten(drawn, 1, -1), 1, TG_CDIST_AUTO);
    return tg_item(tg_mean(tg_amin_dims(distance, TG_DIMS(1), false))) / PIXELS;
}

int main(int argc, char **argv) {
    static float film[100 * PIXELS];
    bool brief = argc > 1 && strcmp(argv[1], "short") == 0;
    uint64_t dice = 1234567;
    tg_ctx *tg = tg_open(&(tg_config){ .threads = -1 });
    if (!tg) return 1;
    plan_steps();
    unet *u = unet_new(tg);
    if (u) {
        train(tg, u, brief ? 100 : 800);
        tg_grad_mode(tg, false);
        tg_tensor *drawn = draw_pictures(tg, DRAWN, &dice), *others = draw_pictures(tg, MADE, &dice);
        tg_tensor *ddim = make(tg, u, 20, true, NULL), *ddpm = brief ? ddim : make(tg, u, STEPS, false, film);
        printf("from the nearest drawn picture a pixel differs by %.3f in noise, %.3f in another drawn picture\n",
               nearness(tg_randn_like(others), drawn), nearness(others, drawn));
        printf("by %.3f in DDPM's pictures, %.3f in DDIM's\n", nearness(ddpm, drawn), nearness(ddim, drawn));
        save("diffusion_ddim.png", ddim);
        if (!brief) {
            save("diffusion_ddpm.png", ddpm);
            for (int i = 0; i < 100 * PIXELS; i++) film[i] = film[i] / 2 + 0.5f;
            save_sheet("diffusion_steps.png", film, 100, 1, SIDE, 10, 4);
        }
    }
    bool failed = tg_failed(tg);                           /* the message is on stderr already */
    tg_close(tg);
    return failed;
}
