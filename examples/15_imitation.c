/* 15_imitation.c - inside a game: a network watches the player and learns to play as he does, a little in every frame.

   A game has 16.7 ms for a frame, and threads of its own. So the library gets no threads here but the game's job system,
   by a hook, and learns only as long as 4 ms of a frame are not over. The player bats balls away; after two minutes the
   network takes the bat. The player is a program here, with the habits of a person: an unsteady hand, and content when
   the bat is near enough.

       cc -O2 examples/15_imitation.c -o 15_imitation -lm -lpthread && ./15_imitation        some seconds
       ./15_imitation short                                                                  one minute of play, for the tests

   Prints how many balls of 300 the player bats away, the network before it has learned and after (nearly as many as the
   player), how often it moves as the player would, and what a frame took; then a moment of its play, drawn in letters. */

#define TENSORGRAD_IMPLEMENTATION
#include "../tensorgrad.h"
#include "draw.h"
#include <pthread.h>

enum { SEEN = 5, MOVES = 3, KEPT = 4096, BATCH = 256, LESSONS = 2, FRAMES_A_MINUTE = 3600, HIGH = 12, WIDE = 48 };

/* ---- The game's job system: two helpers and the caller take bodies one by one until there are none left. ---- */

typedef struct jobs {
    pthread_mutex_t lock;
    pthread_cond_t begin, end;
    pthread_t helper[2];
    void (*body)(void *arg, int64_t i);
    void *arg;
    int64_t next, count, busy, runs;
    bool stop;
} jobs;

/* Called with the lock held; returns with it held. */
static void work(jobs *j) {
    while (j->next < j->count) {
        int64_t i = j->next++;
        j->busy++;
        pthread_mutex_unlock(&j->lock);
        j->body(j->arg, i);
        pthread_mutex_lock(&j->lock);
        if (--j->busy == 0 && j->next == j->count) pthread_cond_broadcast(&j->end);
    }
}

static void *helper(void *user) {
    jobs *j = (jobs *)user;
    pthread_mutex_lock(&j->lock);
    while (!j->stop) {
        work(j);
        if (!j->stop) pthread_cond_wait(&j->begin, &j->lock);
    }
    pthread_mutex_unlock(&j->lock);
    return NULL;
}

/* The hook: tensorgrad hands its loops to this function, as any other part of the game would. */
static void run_jobs(void *user, int64_t count, void (*body)(void *arg, int64_t i), void *arg) {
    jobs *j = (jobs *)user;
    pthread_mutex_lock(&j->lock);
    j->body = body; j->arg = arg; j->next = 0; j->count = count;
    j->runs++;
    pthread_cond_broadcast(&j->begin);
    work(j);
    while (j->busy) pthread_cond_wait(&j->end, &j->lock);
    pthread_mutex_unlock(&j->lock);
}

static void jobs_begin(jobs *j) {
    memset(j, 0, sizeof *j);
    pthread_mutex_init(&j->lock, NULL);
    pthread_cond_init(&j->begin, NULL);
    pthread_cond_init(&j->end, NULL);
    for (int i = 0; i < 2; i++) pthread_create(&j->helper[i], NULL, helper, j);
}

static void jobs_end(jobs *j) {
    pthread_mutex_lock(&j->lock);
    j->stop = true;
    pthread_cond_broadcast(&j->begin);
    pthread_mutex_unlock(&j->lock);
    for (int i = 0; i < 2; i++) pthread_join(j->helper[i], NULL);
}

/* ---- The game: a ball falls slantwise between two walls, the bat at the bottom moves left or right. ---- */

typedef struct game { float x, y, dx, dy, bat, hand; int balls, batted; } game;        /* from 0 to 1, y upwards */

static void new_ball(game *g, uint64_t *dice) {
    g->x = roll(dice, 0.1f, 0.9f);
    g->y = 1;
    g->dx = roll(dice, -0.02f, 0.02f);
    g->dy = -roll(dice, 0.015f, 0.025f);
}

static void game_frame(game *g, int move, uint64_t *dice) {
    g->bat += 0.02f * (float)(move - 1);
    g->bat = g->bat < 0 ? 0 : g->bat > 1 ? 1 : g->bat;
    g->x += g->dx;
    g->y += g->dy;
    if (g->x < 0 || g->x > 1) g->dx = -g->dx;
    if (g->y > 0) return;
    g->balls++;
    g->batted += fabsf(g->x - g->bat) < 0.08f;
    new_ball(g, dice);
}

/* Where the ball will come down, walls included; the hand trembles, and is content when it is near. */
static int player_move(game *g, uint64_t *dice) {
    float x = g->x - g->dx * g->y / g->dy;
    if (x < 0) x = -x;
    if (x > 1) x = 2 - x;
    g->hand += 0.1f * (roll(dice, -0.06f, 0.06f) - g->hand);
    float away = x + g->hand - g->bat;
    return away > 0.03f ? 2 : away < -0.03f ? 0 : 1;
}

static void see(const game *g, float *seen) {
    const float all[SEEN] = { 2 * g->x - 1, 2 * g->y - 1, 50 * g->dx, 50 * g->dy + 1, 2 * g->bat - 1 };
    memcpy(seen, all, sizeof all);
}

/* ---- The apprentice. ---- */

typedef struct apprentice {
    tg_ctx *tg;
    tg_module *net;
    tg_optim *adam;
    float seen[KEPT][SEEN];                                    /* what it has watched */
    int64_t move[KEPT];
    int kept;
} apprentice;

static int apprentice_move(apprentice *a, const game *g) {
    float seen[SEEN];
    see(g, seen);
    tg_mark scope = tg_begin(a->tg);
    bool was = tg_grad_mode(a->tg, false);
    int move = (int)tg_item_i64(tg_argmax(tg_forward(a->net, tg_from_f32(a->tg, TG_SHAPE(SEEN), seen))));
    tg_grad_mode(a->tg, was);
    tg_end(a->tg, scope);
    return move;
}

static void lesson(apprentice *a, uint64_t *dice) {
    static float seen[BATCH][SEEN];
    int64_t move[BATCH];
    for (int i = 0; i < BATCH; i++) {
        int k = roll_int(dice, a->kept < KEPT ? a->kept : KEPT);
        memcpy(seen[i], a->seen[k], sizeof seen[i]);
        move[i] = a->move[k];
    }
    tg_mark scope = tg_begin(a->tg);
    tg_tensor *scores = tg_forward(a->net, tg_from_f32(a->tg, TG_SHAPE(BATCH, SEEN), seen[0]));
    tg_backward(tg_cross_entropy(scores, tg_from(a->tg, TG_SHAPE(BATCH), TG_I64, move)));
    tg_step(a->adam);
    tg_end(a->tg, scope);
}

/* ---- Play. ---- */

/* The player plays and is watched. In each frame the apprentice gets what is left of its 4 ms, for two lessons at most. */
static void watch(apprentice *a, int frames) {
    uint64_t dice = 1, pick = 2;
    game g = { 0, 0, 0, 0, 0.5f, 0, 0, 0 };
    double all = 0, longest = 0;
    int lessons = 0, cut = 0;
    new_ball(&g, &dice);
    for (int frame = 0; frame < frames && !tg_failed(a->tg); frame++) {
        double begin = tg_seconds(a->tg);
        int k = a->kept++ % KEPT, n = 0, move = player_move(&g, &dice);
        see(&g, a->seen[k]);
        a->move[k] = move;
        game_frame(&g, move, &dice);
        for (; n < LESSONS && tg_seconds(a->tg) - begin < 0.004; n++) lesson(a, &pick);
        lessons += n;
        cut += n < LESSONS;
        double took = tg_seconds(a->tg) - begin;
        all += took;
        if (took > longest) longest = took;
    }
    printf("%d frames, %d lessons: a frame took %.2f ms, the longest %.2f ms, and %d had no time for all lessons\n",
           frames, lessons, 1000 * all / frames, 1000 * longest, cut);
}

static void play(apprentice *a, const char *who, bool by_player) {
    uint64_t dice = 1234567;
    game g = { 0, 0, 0, 0, 0.5f, 0, 0, 0 };
    int alike = 0, frames = 0;
    new_ball(&g, &dice);
    for (; g.balls < 300 && !tg_failed(a->tg); frames++) {
        int player = player_move(&g, &dice), move = by_player ? player : apprentice_move(a, &g);
        alike += move == player;
        game_frame(&g, move, &dice);
    }
    printf("%s bats %d of %d balls away, and moves as the player would in %.0f%% of the frames\n", who, g.batted, g.balls,
           100.0 * alike / frames);
}

/* One ball from top to bottom; the bat where it is at the end. */
static void show(apprentice *a) {
    char picture[HIGH + 1][WIDE + 2];
    uint64_t dice = 99;
    game g = { 0, 0, 0, 0, 0.5f, 0, 0, 0 };
    memset(picture, ' ', sizeof picture);
    new_ball(&g, &dice);
    float bat = g.bat;
    while (g.balls == 0 && !tg_failed(a->tg)) {
        int row = (int)((1 - g.y) * HIGH), column = (int)(fminf(fmaxf(g.x, 0), 1) * (WIDE - 1));
        picture[row < HIGH ? row : HIGH - 1][column] = 'o';
        game_frame(&g, apprentice_move(a, &g), &dice);
        bat = g.bat;
    }
    for (int i = -3; i <= 3; i++) {
        int column = (int)(bat * (WIDE - 1)) + i;
        if (column >= 0 && column < WIDE) picture[HIGH][column] = '=';
    }
    for (int row = 0; row <= HIGH; row++) printf("|%.*s|\n", WIDE, picture[row]);
}

int main(int argc, char **argv) {
    static apprentice a;
    bool brief = argc > 1 && strcmp(argv[1], "short") == 0;
    jobs j;
    jobs_begin(&j);
    tg_ctx *tg = tg_open(&(tg_config){ .hooks = { .parallel_for = run_jobs, .jobs_user = &j, .jobs_width = 3 } });
    bool failed = !tg;
    if (tg) {
        a.tg = tg;
        a.net = tg_nn_sequential(tg, tg_nn_linear(tg, SEEN, 128), tg_nn_relu(tg),
                                     tg_nn_linear(tg, 128, 128), tg_nn_relu(tg), tg_nn_linear(tg, 128, MOVES));
        a.adam = tg_optim_adam(a.net, 2e-3);
        play(&a, "the player", true);
        play(&a, "the network that knows nothing", false);
        watch(&a, (brief ? 1 : 2) * FRAMES_A_MINUTE);
        play(&a, "the network that has watched", false);
        show(&a);
        printf("tensorgrad has used the game's jobs %lld times\n", (long long)j.runs);
        failed = tg_failed(tg);                                /* the message is on stderr already */
        tg_close(tg);
    }
    jobs_end(&j);
    return failed;
}
