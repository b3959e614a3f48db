/* 04_sentiment.c - an LSTM reads what people say of films and tells whether they liked them.

   The program makes the sentences: "the story was not very dull but the music felt awful". Words alone do not tell: "not"
   turns what follows it, and of two opinions the one after "but", or the one that is not after "although", counts.

       cc -O2 examples/04_sentiment.c -o 04_sentiment -lm && ./04_sentiment        some seconds
       ./04_sentiment "the acting was hardly bad"                                  ends with your sentence
       ./04_sentiment short                                                        a few steps, for the tests

   Prints the loss (0.69 = log 2 before anything is learned), how many of 2,048 new sentences it understands (nearly all;
   counting good and bad words alone gives the figure beside it), and how sure it is of some. */

#define TENSORGRAD_IMPLEMENTATION
#include "../tensorgrad.h"
#include "draw.h"

enum { LONGEST = 20, BATCH = 128, WIDTH = 32, HIDDEN = 64 };

static const char *const words[] = {
    "", "?", "the", "film", "story", "acting", "music", "end", "was", "felt", "seemed", "not", "never", "hardly",
    "very", "really", "so",
    "good", "great", "moving", "brilliant", "funny", "charming", "bad", "awful", "dull", "boring", "terrible", "weak",
    "and", "but", "although",
};
enum { PAD, UNKNOWN, THE, FILM, WAS = 8, NOT = 11, VERY = 14, GOOD = 17, BAD = 23, AND = 29, BUT, ALTHOUGH, WORDS };

typedef struct sentence { int64_t word[LONGEST]; int length; bool liked; } sentence;

static void say(sentence *s, int word) { s->word[s->length++] = word; }

static void clause(sentence *s, bool liked, uint64_t *dice) {
    bool turned = roll_int(dice, 2);
    say(s, THE);
    say(s, FILM + roll_int(dice, 5));
    say(s, WAS + roll_int(dice, 3));
    if (turned) say(s, NOT + roll_int(dice, 3));
    if (roll_int(dice, 3) == 0) say(s, VERY + roll_int(dice, 3));
    say(s, (liked != turned ? GOOD : BAD) + roll_int(dice, 6));
}

static void make_sentence(sentence *s, uint64_t *dice) {
    bool liked = roll_int(dice, 2);
    memset(s, 0, sizeof *s);
    s->liked = liked;
    switch (roll_int(dice, 4)) {
    case 0: clause(s, liked, dice); break;
    case 1: clause(s, liked, dice);  say(s, AND); clause(s, liked, dice); break;
    case 2: clause(s, !liked, dice); say(s, BUT); clause(s, liked, dice); break;
    default: clause(s, liked, dice); say(s, ALTHOUGH); clause(s, !liked, dice);
    }
}

static void read_sentence(sentence *s, const char *text) {
    memset(s, 0, sizeof *s);
    while (*text && s->length < LONGEST) {
        size_t n = strcspn(text, " ");
        int word = UNKNOWN;
        for (int w = 2; w < WORDS; w++) if (strlen(words[w]) == n && strncmp(words[w], text, n) == 0) word = w;
        if (n) say(s, word);
        text += n + (text[n] == ' ');
    }
}

/* What one would think who counts words. */
static bool counts_good(const sentence *s) {
    int sum = 0;
    for (int i = 0; i < s->length; i++) {
        if (s->word[i] >= GOOD && s->word[i] < BAD) sum++;
        if (s->word[i] >= BAD && s->word[i] < AND) sum--;
    }
    return sum > 0;
}

/* ---- The model. ---- */

typedef struct reader { tg_module m; tg_module *words, *lstm, *head; } reader;

static reader *reader_new(tg_ctx *tg) {
    reader *r = TG_MODULE(tg, reader, NULL);
    TG_PART(r, words, tg_nn_embedding(tg, WORDS, WIDTH));
    TG_PART(r, lstm, tg_nn_lstm(tg, WIDTH, HIDDEN));
    TG_PART(r, head, tg_nn_linear(tg, HIDDEN, 1));
    return (reader *)TG_MODULE_OF(r);
}

/* n sentences -> [n], positive where they were liked. Sentences differ in length: packed, the LSTM sees no padding, and
   what it remembers at the end of each is what we want. */
static tg_tensor *read_all(reader *r, const sentence *s, int n) {
    static int64_t word[BATCH][LONGEST], length[BATCH];
    tg_ctx *tg = r->m.tg;
    tg_packed_sequence packed;
    tg_tensor *h = NULL;
    for (int i = 0; i < n; i++) { memcpy(word[i], s[i].word, sizeof word[i]); length[i] = s[i].length; }
    size_t mark = tg_module_enter(&r->m);
    tg_tensor *x = tg_forward(r->words, tg_from(tg, TG_SHAPE(n, LONGEST), TG_I64, word));
    if (tg_pack_padded_sequence(x, tg_from(tg, TG_SHAPE(n), TG_I64, length), true, false, &packed))
        tg_forward_rnn(r->lstm, packed.data, .packed = &packed, .h_n = &h);                /* h [1, n, HIDDEN] */
    return tg_module_leave(&r->m, mark, tg_squeeze(tg_forward(r->head, tg_select(h, 0, 0)), 1));
}

static void train(tg_ctx *tg, reader *r, int steps) {
    static sentence s[BATCH];
    float liked[BATCH];
    tg_optim *adam = tg_optim_adam(&r->m, 5e-3);
    uint64_t dice = 1;
    double average = 0.693;
    for (int step = 1; step <= steps && !tg_failed(tg); step++) {
        tg_mark scope = tg_begin(tg);
        for (int i = 0; i < BATCH; i++) { make_sentence(&s[i], &dice); liked[i] = s[i].liked; }
        tg_tensor *answer = tg_from_f32(tg, TG_SHAPE(BATCH), liked);
        tg_tensor *loss = tg_binary_cross_entropy_with_logits(read_all(r, s, BATCH), answer);
        tg_backward(loss);
        tg_optim_set_lr(adam, 0, 5e-3 * (steps - step + 1) / steps);
        tg_clip_grad_norm_(tg_optim_params(adam), tg_optim_count(adam), 1);
        tg_step(adam);
        average += 0.05 * (tg_item(loss) - average);
        tg_end(tg, scope);
        if (step % 50 && step < steps) continue;
        printf("step %d  loss %.3f\n", step, average);
        fflush(stdout);
    }
}

static void test(tg_ctx *tg, reader *r) {
    enum { BATCHES = 16 };
    static sentence s[BATCH];
    float score[BATCH];
    uint64_t dice = 1234567;
    int right = 0, by_counting = 0;
    for (int batch = 0; batch < BATCHES && !tg_failed(tg); batch++) {
        tg_mark scope = tg_begin(tg);
        for (int i = 0; i < BATCH; i++) make_sentence(&s[i], &dice);
        if (tg_read_f32(read_all(r, s, BATCH), score, BATCH)) {
            for (int i = 0; i < BATCH; i++) {
                right += (score[i] > 0) == s[i].liked;
                by_counting += counts_good(&s[i]) == s[i].liked;
            }
        }
        tg_end(tg, scope);
    }
    printf("%.1f%% of %d new sentences are understood; counting words gives %.1f%%\n", 100.0 * right / (BATCHES * BATCH),
           BATCHES * BATCH, 100.0 * by_counting / (BATCHES * BATCH));
}

static void judge(tg_ctx *tg, reader *r, const char *text) {
    sentence s;
    read_sentence(&s, text);
    if (s.length == 0) return;
    tg_mark scope = tg_begin(tg);
    printf("liked with %5.1f%%: %s\n", 100 * tg_item(tg_sigmoid(read_all(r, &s, 1))), text);
    tg_end(tg, scope);
}

int main(int argc, char **argv) {
    bool brief = argc > 1 && strcmp(argv[1], "short") == 0;
    tg_ctx *tg = tg_open(&(tg_config){ .threads = -1 });
    if (!tg) return 1;
    reader *r = reader_new(tg);
    if (r) {
        train(tg, r, brief ? 150 : 500);
        tg_grad_mode(tg, false);
        test(tg, r);
        judge(tg, r, "the film was good");
        judge(tg, r, "the film was not good");
        judge(tg, r, "the story was hardly dull");
        judge(tg, r, "the story was dull but the music was great");
        judge(tg, r, "the story was dull although the music was great");
        judge(tg, r, "although the story was dull the music was great");
        if (argc > 1 && !brief) judge(tg, r, argv[1]);
    }
    bool failed = tg_failed(tg);                           /* the message is on stderr already */
    tg_close(tg);
    return failed;
}
