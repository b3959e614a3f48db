/* 14_ppo.c - proximal policy optimisation: sixteen carts at once learn to balance their poles.

   One network says how likely each push is (the policy) and another what a state is worth (the critic). They play 128 steps
   of 16 games, learn a few times from what happened, and throw it away. What was better than the critic expected becomes
   more likely, but no push by more than a fifth at once: that is the "proximal".

       cc -O2 examples/14_ppo.c -o 14_ppo -lm && ./14_ppo        some seconds
       ./14_ppo short                                            fewer rounds, for the tests

   Prints the mean length of the games that ended in each round, 20 at first and at most 500, and the policy's entropy: 0.69
   while it tosses a coin. The last line is the mean of 100 games in which the likelier push is always taken. */

#define TENSORGRAD_IMPLEMENTATION
#include "../tensorgrad.h"
#include "cartpole.h"

enum { GAMES = 16, STEPS = 128, ALL = STEPS * GAMES, PARTS = 4, LESSONS = 4 };

/* ---- The two networks. ---- */

typedef struct player { tg_module m; tg_module *policy, *critic; } player;

static tg_module *net_new(tg_ctx *tg, int64_t out) {
    return tg_nn_sequential(tg, tg_nn_linear(tg, STATE, 64), tg_nn_tanh(tg), tg_nn_linear(tg, 64, 64), tg_nn_tanh(tg),
                                tg_nn_linear(tg, 64, out));
}

static player *player_new(tg_ctx *tg) {
    player *p = TG_MODULE(tg, player, NULL);
    TG_PART(p, policy, net_new(tg, PUSHES));
    TG_PART(p, critic, net_new(tg, 1));
    return (player *)TG_MODULE_OF(p);
}

/* ---- A round of play. ---- */

typedef struct records {
    float state[STEPS][GAMES][STATE], log_chance[STEPS][GAMES], worth[STEPS + 1][GAMES];
    float gain[STEPS][GAMES];                                  /* by how much it went better than expected */
    float target[STEPS][GAMES];                                /* what the critic should have said */
    int64_t push[STEPS][GAMES];
    bool over[STEPS][GAMES];
} records;

static double play_round(tg_ctx *tg, player *p, game *games, records *r, uint64_t *dice) {
    double length = 0, ended = 0;
    for (int t = 0; t <= STEPS && !tg_failed(tg); t++) {
        float state[GAMES][STATE], chance[GAMES][PUSHES];
        tg_mark scope = tg_begin(tg);
        bool was = tg_grad_mode(tg, false);
        for (int i = 0; i < GAMES; i++) memcpy(state[i], games[i].s, sizeof state[i]);
        tg_tensor *x = tg_from_f32(tg, TG_SHAPE(GAMES, STATE), state[0]);
        tg_read_f32(tg_forward(p->critic, x), r->worth[t], GAMES);
        bool ok = tg_read_f32(tg_softmax(tg_forward(p->policy, x), 1), chance[0], GAMES * PUSHES);
        tg_grad_mode(tg, was);
        tg_end(tg, scope);
        if (t == STEPS || !ok) break;
        memcpy(r->state[t], state, sizeof state);
        for (int i = 0; i < GAMES; i++) {
            int push = roll(dice, 0, 1) < chance[i][1];
            r->push[t][i] = push;
            r->log_chance[t][i] = logf(chance[i][push]);
            r->over[t][i] = game_push(&games[i], push);
            if (!r->over[t][i] && games[i].steps < LONGEST) continue;
            length += games[i].steps;
            ended++;
            r->over[t][i] = true;
            game_begin(&games[i], dice);
        }
    }
    return length / fmax(ended, 1);
}

/* Generalised advantage estimation: from the end to the beginning, surprises are added up, later ones count less. */
static void estimate(records *r) {
    const float discount = 0.99f, fading = 0.95f;
    for (int i = 0; i < GAMES; i++) {
        float gain = 0;
        for (int t = STEPS - 1; t >= 0; t--) {
            float goes_on = r->over[t][i] ? 0.0f : 1.0f;
            float surprise = 1 + discount * goes_on * r->worth[t + 1][i] - r->worth[t][i];
            gain = surprise + discount * fading * goes_on * gain;
            r->gain[t][i] = gain;
            r->target[t][i] = gain + r->worth[t][i];
        }
    }
}

/* ---- Learning from a round. ---- */

static double learn(tg_ctx *tg, player *p, tg_optim *adam, const records *r) {
    double entropy = 0;
    tg_mark whole = tg_begin(tg);
    tg_tensor *state = tg_from_f32(tg, TG_SHAPE(ALL, STATE), r->state[0][0]);
    tg_tensor *push = tg_from(tg, TG_SHAPE(ALL, 1), TG_I64, r->push), *gain = tg_from_f32(tg, TG_SHAPE(ALL), r->gain[0]);
    tg_tensor *before = tg_from_f32(tg, TG_SHAPE(ALL), r->log_chance[0]);
    tg_tensor *target = tg_from_f32(tg, TG_SHAPE(ALL), r->target[0]);
    for (int lesson = 0; lesson < LESSONS; lesson++) {
        tg_tensor *parts[PARTS];
        tg_chunk(tg_randperm(tg, ALL), PARTS, 0, parts, PARTS);
        for (int i = 0; i < PARTS && !tg_failed(tg); i++) {
            tg_mark scope = tg_begin(tg);
            tg_tensor *x = tg_index_select(state, 0, parts[i]), *g = tg_index_select(gain, 0, parts[i]);
            tg_tensor *log_chances = tg_log_softmax(tg_forward(p->policy, x), 1);
            tg_tensor *now = tg_squeeze(tg_gather(log_chances, 1, tg_index_select(push, 0, parts[i])), 1);
            tg_tensor *ratio = tg_exp(tg_sub(now, tg_index_select(before, 0, parts[i])));
            g = tg_div(tg_sub(g, tg_mean(g)), tg_add_scalar(tg_std(g, 1), 1e-8));
            tg_tensor *bold = tg_mul(ratio, g), *careful = tg_mul(tg_clamp(ratio, 0.8, 1.2), g);
            tg_tensor *policy = tg_neg(tg_mean(tg_minimum(bold, careful)));
            tg_tensor *critic = tg_mse_loss(tg_squeeze(tg_forward(p->critic, x), 1), tg_index_select(target, 0, parts[i]));
            tg_tensor *sum = tg_sum_dims(tg_mul(tg_exp(log_chances), log_chances), TG_DIMS(1), false);
            tg_tensor *disorder = tg_neg(tg_mean(sum));
            tg_backward(tg_add_scaled(tg_add_scaled(policy, critic, 0.5), disorder, -0.01));
            tg_clip_grad_norm_(tg_optim_params(adam), tg_optim_count(adam), 0.5);
            tg_step(adam);
            entropy = tg_item(disorder);
            tg_end(tg, scope);
        }
    }
    tg_end(tg, whole);
    return entropy;
}

static double test(tg_ctx *tg, player *p, int games) {
    uint64_t dice = 1234567;
    double sum = 0;
    tg_grad_mode(tg, false);
    for (int i = 0; i < games && !tg_failed(tg); i++) {
        game g;
        game_begin(&g, &dice);
        for (bool fell = false; !fell && g.steps < LONGEST;) {
            tg_mark scope = tg_begin(tg);
            tg_tensor *liking = tg_forward(p->policy, tg_from_f32(tg, TG_SHAPE(STATE), g.s));
            fell = game_push(&g, (int)tg_item_i64(tg_argmax(liking)));
            tg_end(tg, scope);
        }
        sum += g.steps;
    }
    return sum / games;
}

int main(int argc, char **argv) {
    static records r;
    bool brief = argc > 1 && strcmp(argv[1], "short") == 0;
    const int rounds = brief ? 15 : 60;
    uint64_t dice = 1;
    game games[GAMES];
    tg_ctx *tg = tg_open(NULL);
    if (!tg) return 1;
    player *p = player_new(tg);
    if (p) {
        tg_optim *adam = tg_optim_adam(&p->m, 2e-3);
        for (int i = 0; i < GAMES; i++) game_begin(&games[i], &dice);
        for (int k = 1; k <= rounds && !tg_failed(tg); k++) {
            tg_optim_set_lr(adam, 0, 2e-3 * (rounds - k + 1) / rounds);
            double length = play_round(tg, p, games, &r, &dice);
            estimate(&r);
            double entropy = learn(tg, p, adam, &r);
            if (k % 5) continue;
            printf("round %d: games last %.0f steps, entropy %.2f\n", k, length, entropy);
            fflush(stdout);
        }
        printf("mean of 100 games: %.1f steps\n", test(tg, p, 100));
    }
    bool failed = tg_failed(tg);                               /* the message is on stderr already */
    tg_close(tg);
    return failed;
}
