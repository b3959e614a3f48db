/* 11_style.c - paints one picture in the manner of another, as Gatys, Ecker and Bethge do.

   A network that can tell textures apart sees two things in a picture: what is where (its features), and of what stuff it
   is (how often features come together: their Gram matrix). A picture is changed, pixel by pixel, by gradient descent,
   until it has the features of the one and the Gram matrices of the other. The network is trained on the spot, on eight
   kinds of texture.

       cc -O2 examples/11_style.c -o 11_style -lm && ./11_style        some ten seconds
       ./11_style short                                                fewer steps, for the tests

   Prints how well the network tells textures apart and how both distances, of what and of stuff, change; that of stuff
   falls to a thousandth. Writes style.png: what, in which manner, and the result. */

#define TENSORGRAD_IMPLEMENTATION
#include "../tensorgrad.h"
#include "draw.h"

enum { SIDE = 96, PIXELS = SIDE * SIDE, PATCH = 32, BATCH = 32, TEXTURES = 8, STAGES = 3 };

/* ---- Textures: waves of colours, in eight kinds. ---- */

static void draw_texture(float *picture, int side, int kind, uint64_t *dice) {
    float low[3], high[3];
    for (int k = 0; k < 3; k++) { low[k] = roll(dice, 0, 0.5f); high[k] = roll(dice, 0.5f, 1); }
    float size = roll(dice, 0.8f, 1.3f), turn = roll(dice, -0.2f, 0.2f), shift = roll(dice, 0, 6.28f);
    float c = cosf(turn), s = sinf(turn);
    for (int p = 0; p < side * side; p++) {
        float row = (float)(p / side), column = (float)(p % side), v;
        float x = size * (c * column + s * row), y = size * (c * row - s * column);
        switch (kind) {
        case 0: v = sinf(0.9f * x + shift); break;                                         /* stripes       */
        case 1: v = sinf(0.9f * y + shift); break;
        case 2: v = sinf(0.7f * (x + y) + shift); break;
        case 3: v = sinf(0.8f * x + shift) * sinf(0.8f * y); break;                        /* dots          */
        case 4: v = sinf(0.6f * x + 2.5f * sinf(0.3f * y) + shift); break;                 /* waves         */
        case 5: v = sinf(0.3f * x + shift) * sinf(0.3f * y) > 0 ? 1.0f : -1.0f; break;     /* checks        */
        case 6: v = roll(dice, -1, 1); break;                                              /* sand          */
        default: v = sinf(0.25f * x + shift) + sinf(0.3f * y) > 0.9f ? 1.0f : -1.0f;       /* blots         */
        }
        for (int k = 0; k < 3; k++) picture[k * side * side + p] = low[k] + (high[k] - low[k]) * (0.5f + 0.5f * v);
    }
}

static void draw_scene(float *picture) {
    static const float ground[3] = { 0.75f, 0.85f, 0.95f }, inks[5][3] = {
        { 0.9f, 0.3f, 0.2f }, { 0.1f, 0.4f, 0.3f }, { 0.95f, 0.8f, 0.2f }, { 0.2f, 0.2f, 0.5f }, { 0.6f, 0.3f, 0.6f } };
    for (int p = 0; p < 3 * PIXELS; p++) picture[p] = ground[p / PIXELS];
    draw_shape(picture, 3, SIDE, DISC, 70, 24, 15, 0, inks[2]);
    draw_shape(picture, 3, SIDE, TRIANGLE, 34, 56, 38, 3.14159f, inks[1]);
    draw_shape(picture, 3, SIDE, SQUARE, 66, 70, 20, 0, inks[0]);
    draw_shape(picture, 3, SIDE, CROSS, 20, 20, 12, 0.4f, inks[3]);
    draw_shape(picture, 3, SIDE, RING, 66, 70, 10, 0, inks[4]);
}

/* ---- The network: three stages whose results are its features, and a head that names the texture. ---- */

typedef struct eye { tg_module m; tg_module *stages[STAGES], *head; } eye;

static tg_tensor *eye_forward(tg_module *m, tg_tensor *x) {
    eye *e = (eye *)m;
    for (int i = 0; i < STAGES; i++) x = tg_forward(e->stages[i], x);
    return tg_forward(e->head, tg_mean_dims(x, TG_DIMS(2, 3), false));
}

static eye *eye_new(tg_ctx *tg) {
    static const int64_t width[STAGES + 1] = { 3, 16, 32, 48 };
    eye *e = TG_MODULE(tg, eye, eye_forward);
    for (int i = 0; i < STAGES; i++) TG_PART_AT(e, stages, i, tg_nn_sequential(tg,
        i ? tg_nn_avg_pool2d(tg, 2) : tg_nn_identity(tg),
        tg_nn_conv2d(tg, width[i], width[i + 1], 3, .padding = {1, 1}, .padding_mode = TG_NN_REFLECT), tg_nn_relu(tg)));
    TG_PART(e, head, tg_nn_linear(tg, width[STAGES], TEXTURES));
    return (eye *)TG_MODULE_OF(e);
}

static void train(tg_ctx *tg, eye *e, int steps) {
    static float patches[BATCH][3 * PATCH * PATCH];
    static int64_t kind[BATCH];
    tg_optim *adam = tg_optim_adam(&e->m, 3e-3);
    uint64_t dice = 1;
    double right = 0;
    for (int step = 1; step <= steps && !tg_failed(tg); step++) {
        tg_mark scope = tg_begin(tg);
        for (int i = 0; i < BATCH; i++) { kind[i] = i % TEXTURES; draw_texture(patches[i], PATCH, (int)kind[i], &dice); }
        tg_tensor *y = tg_from(tg, TG_SHAPE(BATCH), TG_I64, kind);
        tg_tensor *scores = tg_forward(&e->m, tg_from_f32(tg, TG_SHAPE(BATCH, 3, PATCH, PATCH), patches[0]));
        tg_backward(tg_cross_entropy(scores, y));
        tg_step(adam);
        right += 0.1 * (tg_item(tg_sum(tg_eq(tg_argmax_dim(scores, 1, false), y))) / BATCH - right);
        tg_end(tg, scope);
    }
    printf("the network tells %.0f%% of all textures\n", 100 * right);
}

/* ---- Painting. ---- */

static void look(eye *e, tg_tensor *x, tg_tensor **features) {
    for (int i = 0; i < STAGES; i++) features[i] = x = tg_forward(e->stages[i], x);
}

/* [1, C, H, W] -> [C, C]: how often features come together, wherever that may be. */
static tg_tensor *gram(tg_tensor *features) {
    tg_tensor *f = tg_flatten(tg_select(features, 0, 0), 1, -1);
    return tg_div_scalar(tg_matmul(f, tg_t(f)), (double)f->shape[1]);
}

static void paint(tg_ctx *tg, eye *e, tg_tensor *scene, tg_tensor *manner, tg_tensor *picture, int steps) {
    tg_tensor *there[STAGES], *of_scene[STAGES], *stuff[STAGES], *features[STAGES];
    double begin = 0;
    bool was = tg_grad_mode(tg, false);
    look(e, scene, of_scene);
    look(e, manner, there);
    for (int i = 0; i < STAGES; i++) stuff[i] = gram(there[i]);
    tg_grad_mode(tg, was);
    tg_optim *adam = tg_adam(&picture, 1, 0.03);                       /* the picture is what is learned */
    for (int step = 1; step <= steps && !tg_failed(tg); step++) {
        tg_mark scope = tg_begin(tg);
        look(e, picture, features);
        tg_tensor *what = tg_div(tg_mse_loss(features[2], of_scene[2]), tg_mean(tg_square(of_scene[2])));
        tg_tensor *of_stuff = tg_number(tg, 0);
        for (int i = 0; i < STAGES; i++)                               /* each stage by its own scale */
            of_stuff = tg_add(of_stuff, tg_div(tg_mse_loss(gram(features[i]), stuff[i]), tg_mean(tg_square(stuff[i]))));
        tg_backward(tg_add_scaled(of_stuff, what, 0.02));
        tg_step(adam);
        tg_grad_mode(tg, false);
        tg_clamp_(picture, 0, 1);
        tg_grad_mode(tg, was);
        if (step == 1) begin = tg_item(of_stuff);
        if (step == 1 || step % 50 == 0) {
            printf("step %d  what %.3f  stuff %.4f\n", step, tg_item(what), tg_item(of_stuff));
            fflush(stdout);
        }
        if (step == steps) printf("the distance of stuff has fallen to one %.0fth\n", begin / tg_item(of_stuff));
        tg_end(tg, scope);
    }
}

int main(int argc, char **argv) {
    static float sheet[3][3 * PIXELS];
    bool brief = argc > 1 && strcmp(argv[1], "short") == 0;
    uint64_t dice = 1234567;
    tg_ctx *tg = tg_open(&(tg_config){ .threads = -1 });
    if (!tg) return 1;
    eye *e = eye_new(tg);
    if (e) {
        train(tg, e, brief ? 60 : 400);
        tg_freeze(&e->m, true);
        draw_scene(sheet[0]);
        draw_texture(sheet[1], SIDE, 4, &dice);
        tg_tensor *scene = tg_from_f32(tg, TG_SHAPE(1, 3, SIDE, SIDE), sheet[0]);
        tg_tensor *manner = tg_from_f32(tg, TG_SHAPE(1, 3, SIDE, SIDE), sheet[1]);
        tg_tensor *picture = tg_require_grad(tg_clone(scene), true);
        paint(tg, e, scene, manner, picture, brief ? 50 : 300);
        if (tg_read_f32(picture, sheet[2], 3 * PIXELS)) save_sheet("style.png", sheet[0], 3, 3, SIDE, 3, 3);
    }
    bool failed = tg_failed(tg);                               /* the message is on stderr already */
    tg_close(tg);
    return failed;
}
