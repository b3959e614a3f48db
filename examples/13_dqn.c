/* 13_dqn.c - deep Q-learning: a network learns to balance a pole on a cart from nothing but falling over.

   The network says for a state what each push, left or right, will be worth: the points until the pole falls, one for
   each step, later ones a little less. What was tried is kept, and learned from again and again, in any order.

       cc -O2 examples/13_dqn.c -o 13_dqn -lm && ./13_dqn        some ten seconds
       ./13_dqn short                                            fewer steps, for the tests

   Prints now and then how long the pole stays up when the best push is taken: 10 steps at first, 500 (then the game
   ends) when it is learned. What it learns last is not always best, so the best is kept: the last line is the mean of 100
   games of that. */

#define TENSORGRAD_IMPLEMENTATION
#include "../tensorgrad.h"
#include "cartpole.h"

enum { MEMORY = 20000, BATCH = 64 };

/* ---- What was tried. ---- */

typedef struct memory {
    float before[MEMORY][STATE], after[MEMORY][STATE], goes_on[MEMORY];     /* goes_on: 0 where it fell */
    int64_t push[MEMORY];
    int count;
} memory;

static void remember(memory *m, const float *before, int push, const float *after, bool fell) {
    int i = m->count++ % MEMORY;                               /* the oldest is forgotten */
    memcpy(m->before[i], before, sizeof m->before[i]);
    memcpy(m->after[i], after, sizeof m->after[i]);
    m->push[i] = push;
    m->goes_on[i] = !fell;
}

/* ---- Learning. ---- */

static int best_push(tg_ctx *tg, tg_module *net, const game *g) {
    tg_mark scope = tg_begin(tg);
    bool was = tg_grad_mode(tg, false);
    int push = (int)tg_item_i64(tg_argmax(tg_forward(net, tg_from_f32(tg, TG_SHAPE(STATE), g->s))));
    tg_grad_mode(tg, was);
    tg_end(tg, scope);
    return push;
}

/* What `slow` knows moves towards what `net` knows: all the way where `stay` is 0. */
static void follow(tg_module *slow, tg_module *net, double stay) {
    tg_tensor *of_slow[6], *of_net[6];
    int n = (int)tg_parameters(slow, of_slow, 6);
    tg_parameters(net, of_net, 6);
    tg_ema_(of_slow, of_net, n, stay);
}

/* The worth of a push is one point and, unless the pole fell, 0.99 of what the best push is worth then. `net` chooses that
   push and `slow`, which follows net at a distance, says what it is worth, so that nothing praises itself. */
static void learn(tg_ctx *tg, tg_module *net, tg_module *slow, tg_optim *adam, const memory *m, uint64_t *dice) {
    static float before[BATCH][STATE], after[BATCH][STATE], goes_on[BATCH];
    static int64_t push[BATCH];
    int known = m->count < MEMORY ? m->count : MEMORY;
    for (int i = 0; i < BATCH; i++) {
        int k = roll_int(dice, known);
        memcpy(before[i], m->before[k], sizeof before[i]);
        memcpy(after[i], m->after[k], sizeof after[i]);
        push[i] = m->push[k];
        goes_on[i] = m->goes_on[k];
    }
    tg_mark scope = tg_begin(tg);
    tg_tensor *x = tg_from_f32(tg, TG_SHAPE(BATCH, STATE), before[0]);
    tg_tensor *then = tg_from_f32(tg, TG_SHAPE(BATCH, STATE), after[0]);
    bool was = tg_grad_mode(tg, false);                        /* the target is a number, not something to be learned */
    tg_tensor *choice = tg_argmax_dim(tg_forward(net, then), 1, true);
    tg_tensor *later = tg_mul(tg_squeeze(tg_gather(tg_forward(slow, then), 1, choice), 1),
                              tg_from_f32(tg, TG_SHAPE(BATCH), goes_on));
    tg_tensor *target = tg_add_scalar(tg_mul_scalar(later, 0.99), 1);
    tg_grad_mode(tg, was);
    tg_tensor *said = tg_gather(tg_forward(net, x), 1, tg_from(tg, TG_SHAPE(BATCH, 1), TG_I64, push));
    tg_backward(tg_huber_loss(tg_squeeze(said, 1), target));
    tg_clip_grad_norm_(tg_optim_params(adam), tg_optim_count(adam), 10);
    tg_step(adam);
    follow(slow, net, 0.99);
    tg_end(tg, scope);
}

static double play(tg_ctx *tg, tg_module *net, int games) {
    uint64_t dice = 1234567;
    double sum = 0;
    for (int i = 0; i < games && !tg_failed(tg); i++) {
        game g;
        game_begin(&g, &dice);
        while (g.steps < LONGEST && !game_push(&g, best_push(tg, net, &g))) {}
        sum += g.steps;
    }
    return sum / games;
}

static tg_module *net_new(tg_ctx *tg) {
    return tg_nn_sequential(tg, tg_nn_linear(tg, STATE, 64), tg_nn_relu(tg), tg_nn_linear(tg, 64, 64), tg_nn_relu(tg),
                                tg_nn_linear(tg, 64, PUSHES));
}

int main(int argc, char **argv) {
    static memory m;
    bool brief = argc > 1 && strcmp(argv[1], "short") == 0;
    const int steps = brief ? 6000 : 40000;
    uint64_t dice = 1;
    tg_ctx *tg = tg_open(NULL);
    if (!tg) return 1;
    tg_module *net = net_new(tg), *slow = tg_module_copy(net), *best = tg_module_copy(net);
    double longest = 0;
    tg_freeze(slow, true);                                     /* they follow; nothing else changes them */
    tg_freeze(best, true);
    tg_optim *adam = tg_optim_adam(net, 5e-4);
    game g;
    game_begin(&g, &dice);
    for (int step = 1; step <= steps && !tg_failed(tg); step++) {
        double daring = step < 4000 ? 1 - 0.95 * step / 4000 : 0.05;           /* how often anything is tried */
        float before[STATE];
        memcpy(before, g.s, sizeof before);
        int push = roll(&dice, 0, 1) < daring ? roll_int(&dice, PUSHES) : best_push(tg, net, &g);
        bool fell = game_push(&g, push);
        remember(&m, before, push, g.s, fell);
        if (fell || g.steps == LONGEST) game_begin(&g, &dice);
        if (step >= 500) {
            tg_optim_set_lr(adam, 0, 5e-4 * (steps - step + 1) / steps);
            learn(tg, net, slow, adam, &m, &dice);
        }
        if (step % 2000 == 0) {
            double length = play(tg, net, 10);
            printf("after %d pushes the pole stays up for %.0f steps\n", step, length);
            fflush(stdout);
            if (length >= longest) { longest = length; follow(best, net, 0); }
        }
    }
    printf("mean of 100 games: %.1f steps\n", play(tg, best, 100));
    bool failed = tg_failed(tg);                               /* the message is on stderr already */
    tg_close(tg);
    return failed;
}
