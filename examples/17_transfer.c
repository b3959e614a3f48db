/* 17_transfer.c - what was learned of five shapes helps to learn three others from six pictures each.

   A network learns five kinds of shapes from as many pictures as it likes, and is saved. Another network, for three other
   kinds, loads what fits, all but the head, freezes it, and learns the head alone from eighteen pictures. Beside it one
   that begins with nothing learns from the same eighteen.

       cc -O2 examples/17_transfer.c -o 17_transfer -lm && ./17_transfer        about 20 seconds
       ./17_transfer short                                                      fewer steps, for the tests

   Prints what was loaded, and how many of 1,536 unseen pictures of the new kinds both name correctly: about 87% with what
   was learned before, 69% without. The weights stand in transfer.safetensors. */

#define TENSORGRAD_IMPLEMENTATION
#include "../tensorgrad.h"
#include "draw.h"

enum { SIDE = 24, PIXELS = SIDE * SIDE, BATCH = 64, FEW = 18, WIDTH = 16 };

typedef struct task { const int *kinds; int count; } task;
static const int first_kinds[] = { DISC, TRIANGLE, CROSS, MOON, BAR }, new_kinds[] = { SQUARE, RING, FRAME };
static const task first_task = { first_kinds, 5 }, new_task = { new_kinds, 3 };

static void draw_batch(tg_ctx *tg, const task *t, int n, uint64_t *dice, tg_tensor **pictures, tg_tensor **labels) {
    static float pixels[BATCH][PIXELS];
    static int64_t label[BATCH];
    for (int i = 0; i < n; i++) {
        float ground = roll(dice, 0, 0.4f), ink = ground;
        ink += roll(dice, 0.25f, 0.6f);
        float radius = roll(dice, 6, 11);
        float x = roll(dice, radius, SIDE - radius);
        float y = roll(dice, radius, SIDE - radius);
        label[i] = i % t->count;
        for (int p = 0; p < PIXELS; p++) pixels[i][p] = ground;
        draw_shape(pixels[i], 1, SIDE, t->kinds[label[i]], x, y, radius, roll(dice, -3.1f, 3.1f), &ink);
        for (int p = 0; p < PIXELS; p++) pixels[i][p] += roll(dice, -0.1f, 0.1f);
    }
    *pictures = tg_from_f32(tg, TG_SHAPE(n, 1, SIDE, SIDE), pixels[0]);
    *labels = tg_from(tg, TG_SHAPE(n), TG_I64, label);
}

/* ---- The network: a body that sees, a head that names. ---- */

typedef struct net { tg_module m; tg_module *body, *head; } net;

static tg_tensor *net_forward(tg_module *m, tg_tensor *x) {
    net *n = (net *)m;
    return tg_forward(n->head, tg_forward(n->body, x));
}

static tg_module *look(tg_ctx *tg, int64_t in, int64_t out) {
    return tg_nn_sequential(tg, tg_nn_conv2d(tg, in, out, 3, .padding = {1, 1}), tg_nn_batch_norm2d(tg, out),
        tg_nn_relu(tg));
}

static net *net_new(tg_ctx *tg, int kinds) {
    net *n = TG_MODULE(tg, net, net_forward);
    TG_PART(n, body, tg_nn_sequential(tg,                                                          /* [N, 1, 24, 24]  */
        look(tg, 1, WIDTH), tg_nn_max_pool2d(tg, 2),                                               /* [N, 16, 12, 12] */
        look(tg, WIDTH, 2 * WIDTH), tg_nn_max_pool2d(tg, 2),                                       /* [N, 32, 6, 6]   */
        look(tg, 2 * WIDTH, 4 * WIDTH), tg_nn_adaptive_max_pool2d(tg, TG_DIMS(1, 1)), tg_nn_flatten(tg)));   /* [N, 64] */
    TG_PART(n, head, tg_nn_linear(tg, 4 * WIDTH, kinds));
    return (net *)TG_MODULE_OF(n);
}

static double right_share(tg_ctx *tg, net *n, const task *t) {
    enum { BATCHES = 24 };
    uint64_t dice = 1234567;
    double right = 0;
    bool was = tg_grad_mode(tg, false);
    tg_train(&n->m, false);
    for (int i = 0; i < BATCHES; i++) {
        tg_mark scope = tg_begin(tg);
        tg_tensor *x, *y;
        draw_batch(tg, t, BATCH, &dice, &x, &y);
        right += tg_item(tg_sum(tg_eq(tg_argmax_dim(tg_forward(&n->m, x), 1, false), y)));
        tg_end(tg, scope);
    }
    tg_grad_mode(tg, was);
    return right / (BATCHES * BATCH);
}

/* ---- Learning, with as many pictures as one likes, and with few. ---- */

static void learn_first(tg_ctx *tg, net *n, int steps) {
    tg_optim *adam = tg_optim_adam(&n->m, 5e-3);
    uint64_t dice = 1;
    for (int step = 1; step <= steps && !tg_failed(tg); step++) {
        tg_mark scope = tg_begin(tg);
        tg_tensor *x, *y;
        draw_batch(tg, &first_task, BATCH, &dice, &x, &y);
        tg_tensor *loss = tg_cross_entropy(tg_forward(&n->m, x), y);
        tg_backward(loss);
        tg_optim_set_lr(adam, 0, tg_one_cycle_lr(5e-3, step - 1, steps));
        tg_step(adam);
        if (step % 100 == 0) { printf("step %d  loss %.3f\n", step, tg_item(loss)); fflush(stdout); }
        tg_end(tg, scope);
    }
}

static void learn_few(tg_ctx *tg, net *n, const char *who) {
    tg_optim *adam = tg_optim_adamw(&n->m, 3e-3);                  /* of all that is not frozen */
    tg_tensor *x, *y;
    uint64_t dice = 7;
    double last = 0;
    draw_batch(tg, &new_task, FEW, &dice, &x, &y);
    for (int step = 0; step < 200 && !tg_failed(tg); step++) {
        tg_mark scope = tg_begin(tg);
        tg_tensor *loss = tg_cross_entropy(tg_forward(&n->m, x), y);
        tg_backward(loss);
        tg_step(adam);
        last = tg_item(loss);
        tg_end(tg, scope);
    }
    printf("%s: loss on the %d pictures %.3f, %.1f%% of unseen ones are named correctly\n", who, FEW, last,
           100 * right_share(tg, n, &new_task));
}

int main(int argc, char **argv) {
    bool brief = argc > 1 && strcmp(argv[1], "short") == 0;
    tg_ctx *tg = tg_open(&(tg_config){ .threads = -1 });
    if (!tg) return 1;

    net *first = net_new(tg, first_task.count);
    if (first) {
        learn_first(tg, first, brief ? 100 : 600);
        printf("five kinds: %.1f%% of unseen pictures are named correctly\n", 100 * right_share(tg, first, &first_task));
        tg_save(&first->m, "transfer.safetensors");
    }

    net *second = net_new(tg, new_task.count), *plain = net_new(tg, new_task.count);
    if (second && plain) {
        tg_load_report report;
        if (tg_load(&second->m, "transfer.safetensors", &report))
            printf("%d tensors loaded, %d of another shape:\n%s\n", (int)report.loaded, (int)report.misshapen, report.text);
        tg_freeze(second->body, true);
        tg_train(second->body, false);                         /* its batch norms keep what they have gathered, too */
        learn_few(tg, second, "with the body that has seen other shapes");
        learn_few(tg, plain, "from nothing");
    }
    bool failed = tg_failed(tg);                               /* the message is on stderr already */
    tg_close(tg);
    return failed;
}
