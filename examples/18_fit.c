/* 18_fit.c - the trainer of tools/tg_fit.h at work: a run that is stopped half-way and goes on, with pictures that are
   changed at random by tools/tg_transforms.h.

   1,500 pictures of eight shapes are drawn once. Whoever sees them again and again learns them by heart; so each time a
   row is asked for, another piece of it is cut out, mirrored perhaps, which the threads do while the network computes.

       cc -O2 examples/18_fit.c -o 18_fit -lm && ./18_fit        about half a minute
       ./18_fit short                                            five epochs, for the tests

   Prints a line for each epoch and two curves, and how many of 500 unseen pictures are named correctly: about 90%. The
   power fails after half of the steps; a second network, which knows nothing, goes on from the checkpoint, to the bits
   that the first would have reached. Writes fit.html, a page with all curves and what was taken for what, and a folder
   fit_board that TensorBoard shows (tensorboard --logdir fit_board). */

#define TENSORGRAD_IMPLEMENTATION
#include "../tensorgrad.h"
#define TG_FIT_IMPLEMENTATION
#include "../tools/tg_fit.h"
#define TG_TRANSFORMS_IMPLEMENTATION
#include "../tools/tg_transforms.h"
#include "draw.h"

enum { SIDE = 28, SEEN = 24, TRAIN = 1500, TEST = 500, BATCH = 20 };

/* ---- The pictures: bytes, as photographs are. ---- */

typedef struct shapes { unsigned char (*pixels)[3 * SIDE * SIDE]; int64_t *label; int rows; } shapes;

static bool draw(shapes *s, int rows, uint64_t dice) {
    static float picture[3 * SIDE * SIDE];
    s->rows = rows;
    s->pixels = malloc((size_t)rows * sizeof *s->pixels);
    s->label = malloc((size_t)rows * sizeof *s->label);
    for (int i = 0; i < rows && s->pixels && s->label; i++) {
        float ink[3];
        for (int k = 0; k < 3; k++) {
            float ground = roll(&dice, 0, 1);
            ink[k] = ground + (ground < 0.5f ? roll(&dice, 0.2f, 0.5f) : roll(&dice, -0.5f, -0.2f));
            for (int p = 0; p < SIDE * SIDE; p++) picture[k * SIDE * SIDE + p] = ground + roll(&dice, -0.1f, 0.1f);
        }
        s->label[i] = roll_int(&dice, SHAPES);
        float radius = roll(&dice, 6, 11), x = roll(&dice, radius, SIDE - radius), y = roll(&dice, radius, SIDE - radius);
        draw_shape(picture, 3, SIDE, (int)s->label[i], x, y, radius, roll(&dice, -0.6f, 0.6f), ink);
        for (int p = 0; p < 3 * SIDE * SIDE; p++) s->pixels[i][p] = (unsigned char)(255 * fminf(fmaxf(picture[p], 0), 1));
    }
    return s->pixels && s->label;
}

/* A row of a batch: [3, 24, 24] from -1 to 1, and its label. Any thread may call it; the dice are the row's own, so that a
   run that goes on sees what it would have seen. */
static bool fill(void *user, int64_t row, tg_dice *dice, void *const *out) {
    static const tg_image_crop_args crop = { .height = SEEN, .width = SEEN };
    static const double middle[3] = { 0.5, 0.5, 0.5 };
    const shapes *s = user;
    unsigned char cut[3 * SEEN * SEEN];
    tg_pixels whole = { s->pixels[row], TG_U8, 3, SIDE, SIDE }, piece = { cut, TG_U8, 3, SEEN, SEEN };
    *(int64_t *)out[1] = s->label[row];
    return (s->rows == TEST ? tg_pixels_crop(&whole, (SIDE - SEEN) / 2, (SIDE - SEEN) / 2, SEEN, SEEN, false, 0, cut)
                            : tg_pixels_random_crop(&whole, dice, &crop, 0.5, cut))
        && tg_pixels_to_float(&piece, middle, middle, out[0]);
}

static tg_data *data_of(tg_ctx *tg, shapes *s, bool shuffle) {
    tg_tensor *row[2] = { tg_zeros(tg, TG_SHAPE(3, SEEN, SEEN)), tg_full(tg, TG_SCALAR, 0, TG_I64) };
    return tg_data_new(row, 2, BATCH, .rows = s->rows, .fill = fill, .user = s, .shuffle = shuffle, .seed = 1, .prefetch = 2);
}

/* ---- The network, and its training. ---- */

static tg_module *net_new(tg_ctx *tg) {
    tg_module *net = tg_nn_sequential(tg, tg_nn_conv2d(tg, 3, 16, 3, .padding = {1, 1}), tg_nn_relu(tg));
    for (int64_t c = 16; c < 128; c *= 2) {                    /* [N, 16, 24, 24], halved three times: [N, 128, 3, 3] */
        tg_nn_append(net, tg_nn_conv2d(tg, c, 2 * c, 3, .padding = {1, 1}, .stride = {2, 2}, .no_bias = true));
        tg_nn_append(net, tg_nn_batch_norm2d(tg, 2 * c));
        tg_nn_append(net, tg_nn_relu(tg));
    }
    tg_nn_append(net, tg_nn_adaptive_avg_pool2d(tg, TG_DIMS(1, 1)));
    tg_nn_append(net, tg_nn_flatten(tg));
    return tg_nn_append(net, tg_nn_linear(tg, 128, SHAPES));
}

static double rate(void *user, double lr, int64_t step, int64_t steps) { (void)user; return tg_one_cycle_lr(lr, step, steps); }
static bool power(void *user, tg_fit_event event, tg_fit_state *s) {      /* false: the run ends here, after a checkpoint */
    (void)user;
    return event != TG_FIT_STEP || s->step != s->steps / 2;
}
static void say(void *user, const char *text) { (void)user; fputs(text, stdout); fflush(stdout); }

static bool run(shapes *train, shapes *test, int epochs, bool again, tg_fit_report *report) {
    static const char *const metrics[] = { "accuracy", "top2", "f1", NULL };
    tg_ctx *tg = tg_open(&(tg_config){ .threads = -1, .seed = again ? 99 : 1 });
    if (!tg) return false;
    tg_module *net = net_new(tg);
    tg_fit_args fit = {
        .net = net, .opt = tg_optim_adamw(net, 0.005), .train = data_of(tg, train, true), .valid = data_of(tg, test, false),
        .epochs = epochs, .schedule = rate, .clip = 5, .metrics = metrics, .monitor = "accuracy",
        .checkpoint = "fit.safetensors", .resume = again, .callback = again ? NULL : power,
        .show = TG_FIT_LINES, .put = say, .no_curves = !again,
        .html = again ? "fit.html" : NULL, .board = "fit_board",
    };
    bool ok = tg_fit(&fit, report);
    tg_close(tg);                                              /* with all that is in it; why it failed is on stderr already */
    return ok;
}

int main(int argc, char **argv) {
    bool brief = argc > 1 && strcmp(argv[1], "short") == 0;
    shapes train = {0}, test = {0};
    tg_fit_report report;
    bool ok = draw(&train, TRAIN, 1) && draw(&test, TEST, 1234567) && run(&train, &test, brief ? 5 : 16, false, &report);
    if (ok) {
        printf("the power fails after %d steps\n", (int)report.steps);
        ok = run(&train, &test, brief ? 5 : 16, true, &report);
    }
    if (ok) printf("%.1f%% of %d unseen pictures are named correctly\nwrote fit.html and fit_board\n", 100 * report.metric[0], TEST);
    remove("fit.safetensors");
    free(train.pixels); free(train.label);
    free(test.pixels); free(test.label);
    return !ok;
}
