/* 05_bert.c - masked language modelling, as BERT learns: words are hidden, and to be guessed from both sides.

   The program makes its sentences: "the old dogs that see a cat sleep ." Subject and verb agree in number, also across
   a clause between them, and every animal makes its own sound. Nobody tells the network so; a sixth of all words is
   hidden from it.

       cc -O2 examples/05_bert.c -o 05_bert -lm && ./05_bert        some ten seconds
       ./05_bert short                                              a few steps, for the tests

   Prints the loss for hidden words (3.5 = log 34 before anything is learned), and of unseen sentences how often what it
   says for a hidden verb has the right number (99%), and what it says for a sound is the right animal's (97%; not always
   can it know). Then some sentences with a gap, and what it fills in. */

#define TENSORGRAD_IMPLEMENTATION
#include "../tensorgrad.h"
#include "draw.h"

enum { LENGTH = 12, BATCH = 64, WIDTH = 64, HEADS = 4, LAYERS = 3, ANIMALS = 4 };

/* ---- The language. ---- */

static const char *const words[] = {
    "-", "?", ".", "the", "a", "some", "old", "small", "that", "and",
    "sees", "see", "likes", "like", "sleeps", "sleep", "runs", "run",
    "dog", "dogs", "cat", "cats", "bird", "birds", "cow", "cows",
    "barks", "bark", "meows", "meow", "sings", "sing", "moos", "moo",
};
enum { NONE, MASK, END, THE, A, SOME, OLD, SMALL, THAT, AND, SEES, SEE, LIKES, LIKE, SLEEPS, SLEEP, RUNS, RUN, DOG,
       BARKS = DOG + 2 * ANIMALS, WORDS = BARKS + 2 * ANIMALS };               /* a singular is followed by its plural */

static int find_word(const char *text, size_t length) {
    for (int w = 0; w < WORDS; w++) if (strlen(words[w]) == length && strncmp(words[w], text, length) == 0) return w;
    return MASK;
}

typedef struct sentence { int64_t word[LENGTH]; int length; } sentence;

static void say(sentence *s, int w) { s->word[s->length++] = w; }

static void say_noun(sentence *s, int animal, int many, uint64_t *dice) {
    say(s, roll_int(dice, 2) ? THE : many ? SOME : A);
    if (roll_int(dice, 3) == 0) say(s, OLD + roll_int(dice, 2));
    say(s, DOG + 2 * animal + many);
}

static void make_sentence(sentence *s, uint64_t *dice) {
    int animal = roll_int(dice, ANIMALS), many = roll_int(dice, 2);
    memset(s, 0, sizeof *s);
    say_noun(s, animal, many, dice);
    if (roll_int(dice, 2)) {                                                   /* "that sees some cats" */
        int other = roll_int(dice, ANIMALS);
        say(s, THAT);
        say(s, SEES + 2 * roll_int(dice, 2) + many);
        say_noun(s, other, roll_int(dice, 2), dice);
    }
    if (roll_int(dice, 2)) say(s, BARKS + 2 * animal + many);
    else say(s, SLEEPS + 2 * roll_int(dice, 2) + many);
    if (roll_int(dice, 3) == 0 && s->length < LENGTH - 3) { say(s, AND); say(s, BARKS + 2 * animal + many); }
    say(s, END);
}

/* ---- The model: torch's encoder, over words and places. ---- */

typedef struct bert { tg_module m; tg_module *words, *places, *encoder, *head; } bert;

static bert *bert_new(tg_ctx *tg) {
    bert *b = TG_MODULE(tg, bert, NULL);
    TG_PART(b, words, tg_nn_embedding(tg, WORDS, WIDTH));
    TG_PART(b, places, tg_nn_embedding(tg, LENGTH, WIDTH));
    TG_PART(b, encoder, tg_nn_transformer_encoder(tg, WIDTH, HEADS, .layers = LAYERS, .dim_feedforward = 2 * WIDTH,
        .dropout = TG_IS(0), .batch_first = true, .norm_first = true, .gelu = true, .final_norm = true));
    TG_PART(b, head, tg_nn_linear(tg, WIDTH, WORDS));
    return (bert *)TG_MODULE_OF(b);
}

/* i64 [N, LENGTH] -> [N, LENGTH, WORDS]. Nobody looks at what is behind the end. */
static tg_tensor *bert_forward(bert *b, tg_tensor *x) {
    size_t mark = tg_module_enter(&b->m);
    tg_tensor *places = tg_arange(b->m.tg, 0, LENGTH, 1, TG_I64);
    tg_tensor *y = tg_add(tg_forward(b->words, x), tg_forward(b->places, places));
    y = tg_forward_transformer(b->encoder, y, NULL, .src_key_padding_mask = tg_eq_scalar(x, NONE));
    return tg_module_leave(&b->m, mark, tg_forward(b->head, y));
}

/* ---- Training. ---- */

/* Hides a sixth of the words; what is not hidden is not asked for: a target of -100 does not count. */
static void make_batch(int64_t shown[BATCH][LENGTH], int64_t hidden[BATCH][LENGTH], uint64_t *dice) {
    for (int i = 0; i < BATCH; i++) {
        sentence s;
        make_sentence(&s, dice);
        for (int k = 0; k < LENGTH; k++) {
            bool hide = k < s.length && roll_int(dice, 6) == 0;
            shown[i][k] = hide ? MASK : s.word[k];
            hidden[i][k] = hide ? s.word[k] : -100;
        }
    }
}

static void train(tg_ctx *tg, bert *b, int steps) {
    static int64_t shown[BATCH][LENGTH], hidden[BATCH][LENGTH];
    const double rate = 2e-3;
    tg_optim *adam = tg_optim_adamw(&b->m, rate);
    uint64_t dice = 1;
    double average = 3.4;
    for (int step = 1; step <= steps && !tg_failed(tg); step++) {
        tg_mark scope = tg_begin(tg);
        make_batch(shown, hidden, &dice);
        tg_tensor *scores = bert_forward(b, tg_from(tg, TG_SHAPE(BATCH, LENGTH), TG_I64, shown));
        tg_tensor *target = tg_from(tg, TG_SHAPE(BATCH * LENGTH), TG_I64, hidden);
        tg_tensor *loss = tg_cross_entropy(tg_flatten(scores, 0, 1), target);
        tg_backward(loss);
        tg_optim_set_lr(adam, 0, tg_one_cycle_lr(rate, step - 1, steps));
        tg_clip_grad_norm_(tg_optim_params(adam), tg_optim_count(adam), 1);
        tg_step(adam);
        average += 0.05 * (tg_item(loss) - average);
        tg_end(tg, scope);
        if (step % 100 && step < steps) continue;
        printf("step %d  loss %.3f\n", step, average);
        fflush(stdout);
    }
}

/* ---- What it has understood. ---- */

static void test(tg_ctx *tg, bert *b) {
    static int64_t shown[BATCH][LENGTH], hidden[BATCH][LENGTH], guess[BATCH][LENGTH];
    uint64_t dice = 1234567;
    int verbs = 0, number = 0, sounds = 0, animal = 0;
    for (int batch = 0; batch < 20 && !tg_failed(tg); batch++) {
        tg_mark scope = tg_begin(tg);
        make_batch(shown, hidden, &dice);
        tg_tensor *scores = bert_forward(b, tg_from(tg, TG_SHAPE(BATCH, LENGTH), TG_I64, shown));
        if (tg_read(tg_argmax_dim(scores, 2, false), guess, sizeof guess)) {
            for (int i = 0; i < BATCH * LENGTH; i++) {
                int64_t right = hidden[i / LENGTH][i % LENGTH], said = guess[i / LENGTH][i % LENGTH];
                bool is_sound = right >= BARKS;
                if (!is_sound && (right < SEES || right > RUN)) continue;
                verbs++;
                number += said >= SEES && said % 2 == right % 2;
                if (is_sound && said >= BARKS) { sounds++; animal += said / 2 == right / 2; }
            }
        }
        tg_end(tg, scope);
    }
    printf("hidden verbs: %d, with the right number %.1f%%\n", verbs, 100.0 * number / verbs);
    if (sounds == 0) sounds = 1;
    printf("hidden sounds taken for a sound: %d, of the right animal %.1f%%\n", sounds, 100.0 * animal / sounds);
}

static void fill(tg_ctx *tg, bert *b, const char *text) {
    int64_t word[LENGTH] = {0};
    int n = 0, gap = 0;
    for (const char *c = text; *c && n < LENGTH;) {
        size_t length = strcspn(c, " ");
        word[n] = find_word(c, length);
        if (word[n] == MASK) gap = n;
        n++;
        c += length + (c[length] == ' ');
    }
    float chance[3];
    int64_t best[3];
    tg_mark scope = tg_begin(tg);
    tg_tensor *places, *scores = bert_forward(b, tg_from(tg, TG_SHAPE(1, LENGTH), TG_I64, word));
    tg_tensor *top = tg_topk(tg_softmax(tg_select(tg_select(scores, 0, 0), 0, gap), 0), 3, 0, true, &places);
    if (tg_read_f32(top, chance, 3) && tg_read(places, best, sizeof best)) {
        printf("%-36s", text);
        for (int i = 0; i < 3; i++) printf("  %s %.0f%%", words[best[i]], 100 * chance[i]);
        printf("\n");
    }
    tg_end(tg, scope);
}

int main(int argc, char **argv) {
    bool brief = argc > 1 && strcmp(argv[1], "short") == 0;
    tg_ctx *tg = tg_open(&(tg_config){ .threads = -1 });
    if (!tg) return 1;
    bert *b = bert_new(tg);
    if (b) {
        train(tg, b, brief ? 150 : 1000);
        tg_train(&b->m, false);
        tg_grad_mode(tg, false);
        test(tg, b);
        fill(tg, b, "the small dog ? .");
        fill(tg, b, "some cows that see a bird ? .");
        fill(tg, b, "the cat that likes some old dogs ? .");
        fill(tg, b, "the old ? sings .");
        fill(tg, b, "? cats meow .");
        fill(tg, b, "a bird ? likes the cow runs .");
    }
    bool failed = tg_failed(tg);                               /* the message is on stderr already */
    tg_close(tg);
    return failed;
}
