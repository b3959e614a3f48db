/* 12_recommender.c - recommends films to people of whom nothing is known but what they have watched.

   The program makes 400 films of eight genres, some loved by many and most by few, and 800 people, each of whom likes two
   genres and has watched 25 films. One of these is hidden. Nobody tells the model of genres: it places people and films in
   a space so that people are near what they watched, and nearer than to what they did not (Bayesian personalised ranking).

       cc -O2 examples/12_recommender.c -o 12_recommender -lm && ./12_recommender        a second or two
       ./12_recommender short                                                            fewer steps, for the tests

   Prints how often the hidden film is among the ten recommended, beside what recommending the best known films gives, and
   how many of a film's ten nearest neighbours share its genre: 1 of 8 by chance. */

#define TENSORGRAD_IMPLEMENTATION
#include "../tensorgrad.h"
#include "draw.h"

enum { PEOPLE = 800, FILMS = 400, GENRES = 8, WATCHED = 24, WIDTH = 16, BATCH = 512, TOP = 10 };

static const char *const genres[GENRES] = { "western", "horror", "romance", "crime", "space", "comedy", "music", "war" };

typedef struct world {
    float fame[FILMS];
    int watched[PEOPLE][WATCHED], hidden[PEOPLE];
    bool saw[PEOPLE][FILMS];
} world;

static int genre(int film) { return film % GENRES; }

static void make_world(world *w, uint64_t *dice) {
    for (int f = 0; f < FILMS; f++) { float r = roll(dice, 0.1f, 1); w->fame[f] = r * r * r; }
    for (int p = 0; p < PEOPLE; p++) {
        int likes = roll_int(dice, GENRES), also = roll_int(dice, GENRES);
        for (int n = 0; n <= WATCHED;) {
            int f = roll_int(dice, FILMS);
            float chance = w->fame[f] * (genre(f) == likes || genre(f) == also ? 1 : 0.05f);
            if (w->saw[p][f] || roll(dice, 0, 1) > chance) continue;
            w->saw[p][f] = true;
            if (n < WATCHED) w->watched[p][n] = f; else w->hidden[p] = f;
            n++;
        }
        w->saw[p][w->hidden[p]] = false;
    }
}

/* ---- The model: a row for each person, a row for each film, and how well a film is liked by all. ---- */

typedef struct model { tg_module m; tg_module *people, *films, *fame; } model;

/* sparse: gradients hold only the rows that were used. */
static model *model_new(tg_ctx *tg) {
    model *m = TG_MODULE(tg, model, NULL);
    TG_PART(m, people, tg_nn_embedding(tg, PEOPLE, WIDTH, .sparse = true));
    TG_PART(m, films, tg_nn_embedding(tg, FILMS, WIDTH, .sparse = true));
    TG_PART(m, fame, tg_nn_embedding(tg, FILMS, 1, .sparse = true));
    bool was = tg_grad_mode(tg, false);
    if (m) tg_normal_(tg_module_tensor_at(m->people, "weight"), 0, 0.1);
    if (m) tg_normal_(tg_module_tensor_at(m->films, "weight"), 0, 0.1);
    if (m) tg_zero_(tg_module_tensor_at(m->fame, "weight"));
    tg_grad_mode(tg, was);
    return (model *)TG_MODULE_OF(m);
}

/* i64 [N], i64 [N] -> [N]: how much each person would like the film. */
static tg_tensor *liking(model *m, tg_tensor *people, tg_tensor *films) {
    tg_tensor *near = tg_vecdot(tg_forward(m->people, people), tg_forward(m->films, films), -1);
    return tg_add(near, tg_squeeze(tg_forward(m->fame, films), -1));
}

/* A film that was watched is to be liked better than one that was not: -log sigmoid of the difference. */
static double train_step(tg_ctx *tg, model *m, tg_optim *adam, const world *w, uint64_t *dice) {
    static int64_t who[BATCH], seen[BATCH], unseen[BATCH];
    for (int i = 0; i < BATCH; i++) {
        int p = roll_int(dice, PEOPLE), f = roll_int(dice, FILMS);
        while (w->saw[p][f]) f = roll_int(dice, FILMS);
        who[i] = p;
        seen[i] = w->watched[p][roll_int(dice, WATCHED)];
        unseen[i] = f;
    }
    tg_mark scope = tg_begin(tg);
    tg_tensor *people = tg_from(tg, TG_SHAPE(BATCH), TG_I64, who);
    tg_tensor *better = liking(m, people, tg_from(tg, TG_SHAPE(BATCH), TG_I64, seen));
    tg_tensor *worse = liking(m, people, tg_from(tg, TG_SHAPE(BATCH), TG_I64, unseen));
    tg_tensor *loss = tg_neg(tg_mean(tg_logsigmoid(tg_sub(better, worse))));
    tg_backward(loss);
    tg_step(adam);
    double value = tg_item(loss);
    tg_end(tg, scope);
    return value;
}

/* ---- What it recommends: the ten best films for each person among those not watched. ---- */

static double hit_rate(tg_ctx *tg, const world *w, tg_tensor *scores) {               /* [PEOPLE, FILMS] */
    static int64_t best[PEOPLE][TOP];
    tg_tensor *order, *saw = tg_from(tg, TG_SHAPE(PEOPLE, FILMS), TG_BOOL, w->saw);
    int hits = 0;
    tg_topk(tg_masked_fill(scores, saw, -1e9), TOP, 1, true, &order);
    if (!tg_read(order, best, sizeof best)) return 0;
    for (int p = 0; p < PEOPLE; p++) for (int i = 0; i < TOP; i++) hits += best[p][i] == w->hidden[p];
    return (double)hits / PEOPLE;
}

static void show(tg_ctx *tg, model *m, const world *w) {
    static int64_t best[FILMS][TOP + 1];
    tg_tensor *people = tg_module_tensor_at(m->people, "weight"), *films = tg_module_tensor_at(m->films, "weight");
    tg_tensor *fame = tg_flatten(tg_module_tensor_at(m->fame, "weight"), 0, -1);
    tg_tensor *scores = tg_add(tg_matmul(people, tg_t(films)), fame);                 /* [PEOPLE, FILMS] */
    tg_tensor *known = tg_expand(tg_from_f32(tg, TG_SHAPE(FILMS), w->fame), TG_SHAPE(PEOPLE, FILMS));
    printf("the hidden film is among the ten best known for %.1f%% of the people\n", 100 * hit_rate(tg, w, known));
    printf("the hidden film is among the ten recommended for %.1f%% of the people\n", 100 * hit_rate(tg, w, scores));

    tg_tensor *one = tg_normalize(films, 2, 1, 1e-12), *order;
    int same = 0;
    tg_topk(tg_matmul(one, tg_t(one)), TOP + 1, 1, true, &order);                     /* the nearest is the film itself */
    if (!tg_read(order, best, sizeof best)) return;
    for (int f = 0; f < FILMS; f++) for (int i = 1; i <= TOP; i++) same += genre((int)best[f][i]) == genre(f);
    printf("of a film's ten nearest neighbours %.1f share its genre\n", (double)same / FILMS);
    for (int f = 0; f < GENRES; f++) {
        printf("%s %d is near to", genres[genre(f)], f);
        for (int i = 1; i <= 5; i++) printf(" %s %d%s", genres[genre((int)best[f][i])], (int)best[f][i], i < 5 ? "," : "\n");
    }
}

int main(int argc, char **argv) {
    static world w;
    bool brief = argc > 1 && strcmp(argv[1], "short") == 0;
    const int steps = brief ? 300 : 800;
    uint64_t dice = 1;
    make_world(&w, &dice);
    tg_ctx *tg = tg_open(NULL);
    if (!tg) return 1;
    model *m = model_new(tg);
    if (m) {
        tg_optim *adam = tg_optim_sparse_adam(&m->m, 0.01);
        double average = 0.693;
        for (int step = 1; step <= steps && !tg_failed(tg); step++) {
            average += 0.02 * (train_step(tg, m, adam, &w, &dice) - average);
            if (step % 200 == 0) { printf("step %d  loss %.3f\n", step, average); fflush(stdout); }
        }
        tg_grad_mode(tg, false);
        show(tg, m, &w);
    }
    bool failed = tg_failed(tg);                           /* the message is on stderr already */
    tg_close(tg);
    return failed;
}
