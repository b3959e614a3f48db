/* 16_evolution.c - a thousand tiny brains evolve: they learn to fly between moving gates, without any gradient.

   Every brain is a network of 4 inputs, 8 cells and one output, and flies a bird of its own. All thousand birds see, think
   and move at once: their weights stand in two tensors with the brain as first dimension, and a batched product computes
   them all. When all have flown, the best fly on unchanged and have children, which differ a little from them.

       cc -O2 examples/16_evolution.c -o 16_evolution -lm && ./16_evolution        some seconds
       ./16_evolution short                                                        fewer generations, for the tests

   Prints for each generation how many gates the best bird and the middle one came through; 50 is the end of the course.
   Then the best brain flies a course that it has not seen, drawn in letters. */

#define TENSORGRAD_IMPLEMENTATION
#include "../tensorgrad.h"
#include "draw.h"

enum { BRAINS = 1000, SENSES = 4, CELLS = 8, BEST = 50, GATES = 50, EVERY = 32, STEPS = GATES * EVERY, SHOWN = 8 };

typedef struct brains { tg_tensor *in, *in_bias, *out, *out_bias; } brains;       /* [BRAINS, ...] each */

/* ---- The course: a gate comes every 32 steps, and swings up and down while it comes. ---- */

typedef struct gate { float middle, swing, phase; } gate;

static void make_course(gate *gates, uint64_t *dice) {
    for (int i = 0; i < GATES; i++) {
        gates[i].middle = roll(dice, 0.2f, 0.8f);
        gates[i].swing = roll(dice, 0, 0.1f);
        gates[i].phase = roll(dice, 0, 6.28f);
    }
}

static float gate_at(const gate *gates, int step) {
    const gate *g = &gates[step / EVERY];
    return g->middle + g->swing * sinf(g->phase + 0.1f * (float)(step % EVERY));
}

/* Thinks for n birds at once: senses [n, 1, SENSES] times weights [n, SENSES, CELLS]. Where the result is positive a bird
   beats its wings. */
static tg_tensor *think(const brains *b, tg_tensor *senses) {
    tg_tensor *cells = tg_tanh(tg_baddbmm(b->in_bias, senses, b->in, 1, 1));              /* [n, 1, CELLS] */
    return tg_flatten(tg_baddbmm(b->out_bias, cells, b->out, 1, 1), 0, -1);               /* [n]           */
}

/* Flies n birds until all have fallen or the course ends. steps[i] is how long bird i flew; track, if any, its heights. */
static void fly(tg_ctx *tg, const brains *b, int n, const gate *gates, int *steps, float *track) {
    static float height[BRAINS], speed[BRAINS], senses[BRAINS][SENSES], beat[BRAINS];
    int flying = n;
    for (int i = 0; i < n; i++) { height[i] = 0.5f; speed[i] = 0; steps[i] = -1; }
    for (int t = 0; t < STEPS && flying && !tg_failed(tg); t++) {
        float gap = gate_at(gates, t), way = (float)(EVERY - t % EVERY) / EVERY;
        tg_mark scope = tg_begin(tg);
        for (int i = 0; i < n; i++) {
            senses[i][0] = 4 * (height[i] - gap);
            senses[i][1] = 20 * speed[i];
            senses[i][2] = way;
            senses[i][3] = 4 * (height[i] - 0.5f);
        }
        if (!tg_read_f32(think(b, tg_from_f32(tg, TG_SHAPE(n, 1, SENSES), senses[0])), beat, n)) flying = 0;
        tg_end(tg, scope);
        for (int i = 0; i < n; i++) {
            if (steps[i] >= 0) continue;
            speed[i] = beat[i] > 0 ? 0.02f : speed[i] - 0.002f;
            height[i] += speed[i];
            bool missed = t % EVERY == EVERY - 1 && fabsf(height[i] - gap) > 0.07f;
            if (missed || height[i] < 0 || height[i] > 1) { steps[i] = t; flying--; }
        }
        if (track) track[t] = height[0];
    }
    for (int i = 0; i < n; i++) if (steps[i] < 0) steps[i] = STEPS;
}

/* ---- Selection. ---- */

/* The rows `parents` of w, all but the first BEST of them changed a little: most numbers stay, some move. */
static void breed(tg_tensor *w, tg_tensor *parents, tg_tensor *is_child) {
    tg_tensor *children = tg_index_select(w, 0, parents);
    tg_tensor *which = tg_bernoulli(tg_full_like(w, 0.3));
    tg_tensor *change = tg_mul(tg_mul(tg_randn_like(w), which), is_child);
    tg_copy_(w, tg_add_scaled(children, change, 0.3));
}

static void next_generation(tg_ctx *tg, const brains *b, const int *steps) {
    static float score[BRAINS];
    tg_mark scope = tg_begin(tg);
    for (int i = 0; i < BRAINS; i++) score[i] = (float)steps[i];
    tg_tensor *best;
    tg_topk(tg_from_f32(tg, TG_SHAPE(BRAINS), score), BEST, 0, true, &best);
    tg_tensor *parents = tg_repeat(best, TG_DIMS(BRAINS / BEST));      /* the best, and 19 children of each */
    tg_tensor *is_child = tg_to(tg_ge_scalar(tg_arange(tg, 0, BRAINS, 1, TG_F32), BEST), TG_F32);
    is_child = tg_reshape(is_child, TG_SHAPE(BRAINS, 1, 1));
    breed(b->in, parents, is_child);
    breed(b->in_bias, parents, is_child);
    breed(b->out, parents, is_child);
    breed(b->out_bias, parents, is_child);
    tg_end(tg, scope);
}

/* ---- The flight of one bird as letters: | gates with their gap, o the bird, every fourth step. ---- */

static void show(const gate *gates, const float *track, int steps) {
    enum { HIGH = 16, WIDE = SHOWN * EVERY / 4 };
    for (int row = 0; row < HIGH; row++) {
        for (int column = 0; column < WIDE; column++) {
            int t = 4 * column + 3;
            float low = 1 - (float)(row + 1) / HIGH, high = 1 - (float)row / HIGH, middle = (low + high) / 2;
            bool here = t < steps && track[t] >= low && track[t] < high;
            bool wall = t % EVERY == EVERY - 1 && fabsf(middle - gate_at(gates, t)) > 0.07f;
            putchar(here ? 'o' : wall ? '|' : ' ');
        }
        putchar('\n');
    }
}

int main(int argc, char **argv) {
    static int steps[BRAINS], order[STEPS / EVERY + 1];
    static gate gates[GATES];
    static float track[STEPS];
    bool brief = argc > 1 && strcmp(argv[1], "short") == 0;
    uint64_t dice = 1;
    tg_ctx *tg = tg_open(&(tg_config){ .threads = -1 });
    if (!tg) return 1;
    tg_grad_mode(tg, false);
    brains b;
    b.in = tg_randn(tg, TG_SHAPE(BRAINS, SENSES, CELLS));
    b.in_bias = tg_randn(tg, TG_SHAPE(BRAINS, 1, CELLS));
    b.out = tg_randn(tg, TG_SHAPE(BRAINS, CELLS, 1));
    b.out_bias = tg_randn(tg, TG_SHAPE(BRAINS, 1, 1));
    double begin = tg_seconds(tg), thoughts = 0;
    int champion = 0;
    for (int generation = 1; generation <= (brief ? 10 : 30) && !tg_failed(tg); generation++) {
        if (generation > 1) next_generation(tg, &b, steps);
        make_course(gates, &dice);                             /* another one each time, so that none is learned by heart */
        fly(tg, &b, BRAINS, gates, steps, NULL);
        memset(order, 0, sizeof order);
        champion = 0;
        for (int i = 0; i < BRAINS; i++) {
            order[steps[i] / EVERY]++;
            if (steps[i] > steps[champion]) champion = i;
        }
        int middle = 0;
        for (int count = order[0]; count < BRAINS / 2; count += order[++middle]) {}
        thoughts += BRAINS * (double)steps[champion];
        printf("generation %d: gates passed by the best %d, by the middle bird %d\n", generation,
               steps[champion] / EVERY, middle);
        fflush(stdout);
    }
    printf("%.1f million thoughts a second\n", thoughts / (tg_seconds(tg) - begin) / 1e6);

    dice = 1234567;
    make_course(gates, &dice);
    brains one = { tg_narrow(b.in, 0, champion, 1), tg_narrow(b.in_bias, 0, champion, 1),
                   tg_narrow(b.out, 0, champion, 1), tg_narrow(b.out_bias, 0, champion, 1) };
    fly(tg, &one, 1, gates, steps, track);
    show(gates, track, steps[0]);
    printf("the best brain passes %d gates of a new course\n", steps[0] / EVERY);
    bool failed = tg_failed(tg);                               /* the message is on stderr already */
    tg_close(tg);
    return failed;
}
