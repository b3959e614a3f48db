/* 03_gpt.c - a GPT learns a text, letter by letter, and then writes on; with a cache of keys and values.

       cc -O2 examples/03_gpt.c -o 03_gpt -lm && ./03_gpt        learns this very file, less than a minute
       ./03_gpt book.txt                                         learns another text
       ./03_gpt short                                            a few steps, for the tests

   The loss is in nats for each letter: log(number of letters), 4.5, before anything is learned; 2.5 is what the
   frequency of letter pairs gives; at 0.2 the file is known by heart. Then it writes 400 letters after a prompt,
   once with the cache and once without it: the same letters, several times as fast. */

#define TENSORGRAD_IMPLEMENTATION
#include "../tensorgrad.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 128, HEADS = 4, LAYERS = 3, CONTEXT = 64, BATCH = 12 };

/* ---- The text: bytes, numbered in the order in which they first come. ---- */

typedef struct text { int64_t *letter, length; int number[256], letters; char shown[256]; } text;

static bool read_text(text *t, const char *path) {
    FILE *f = fopen(path, "rb");
    int64_t room = 0;
    if (!f) return false;
    memset(t, 0, sizeof *t);
    for (int c; (c = fgetc(f)) != EOF; t->length++) {
        if (t->length == room) {
            room = 2 * room + 65536;
            int64_t *more = (int64_t *)realloc(t->letter, (size_t)room * sizeof *more);
            if (!more) break;
            t->letter = more;
        }
        if (!t->number[c]) { t->shown[t->letters] = (char)c; t->number[c] = ++t->letters; }
        t->letter[t->length] = t->number[c] - 1;
    }
    fclose(f);
    return t->length > 2 * CONTEXT;
}

/* ---- The model: GPT-2's blocks, x + attention(norm(x)), then x + mlp(norm(x)). ---- */

/* What attention has computed of earlier letters, so that a new one need not do it again. */
typedef struct cache { tg_tensor *keys[LAYERS], *values[LAYERS]; int64_t length; } cache;

typedef struct block { tg_module m; tg_module *norm1, *qkv, *out, *norm2, *mlp; } block;

static tg_module *block_new(tg_ctx *tg) {
    block *b = TG_MODULE(tg, block, NULL);
    TG_PART(b, norm1, tg_nn_layer_norm(tg, WIDTH));
    TG_PART(b, qkv, tg_nn_linear(tg, WIDTH, 3 * WIDTH));
    TG_PART(b, out, tg_nn_linear(tg, WIDTH, WIDTH));
    TG_PART(b, norm2, tg_nn_layer_norm(tg, WIDTH));
    TG_PART(b, mlp, tg_nn_sequential(tg, tg_nn_linear(tg, WIDTH, 4 * WIDTH), tg_nn_gelu(tg),
                                         tg_nn_linear(tg, 4 * WIDTH, WIDTH)));
    return TG_MODULE_OF(b);
}

/* Every letter looks at itself and those before it. With a cache, x are the letters behind those in the cache. */
static tg_tensor *attention(block *b, tg_tensor *x, cache *c, int layer) {
    int64_t n = x->shape[0], t = x->shape[1];
    tg_tensor *head[3];                                                                  /* queries, keys, values */
    tg_split(tg_forward(b->qkv, x), WIDTH, -1, head, 3);                                 /* [N, T, WIDTH] each    */
    for (int i = 0; i < 3; i++) {
        head[i] = tg_transpose(tg_reshape(head[i], TG_SHAPE(n, t, HEADS, WIDTH / HEADS)), 1, 2);
    }
    if (c) {
        tg_copy_(tg_narrow(c->keys[layer], 2, c->length, t), head[1]);
        tg_copy_(tg_narrow(c->values[layer], 2, c->length, t), head[2]);
        head[1] = tg_narrow(c->keys[layer], 2, 0, c->length + t);
        head[2] = tg_narrow(c->values[layer], 2, 0, c->length + t);
    }
    tg_tensor *y = tg_scaled_dot_product_attention(head[0], head[1], head[2], .is_causal = t > 1);
    return tg_forward(b->out, tg_reshape(tg_transpose(y, 1, 2), TG_SHAPE(n, t, WIDTH)));
}

typedef struct gpt { tg_module m; tg_module *letters, *places, *blocks[LAYERS], *norm, *head; } gpt;

static gpt *gpt_new(tg_ctx *tg, int letters) {
    gpt *g = TG_MODULE(tg, gpt, NULL);
    TG_PART(g, letters, tg_nn_embedding(tg, letters, WIDTH));
    TG_PART(g, places, tg_nn_embedding(tg, CONTEXT, WIDTH));
    for (int i = 0; i < LAYERS; i++) TG_PART_AT(g, blocks, i, block_new(tg));
    TG_PART(g, norm, tg_nn_layer_norm(tg, WIDTH));
    TG_PART(g, head, tg_nn_linear(tg, WIDTH, letters));
    bool was = tg_grad_mode(tg, false);                    /* the tables start small, as GPT-2's */
    if (g) tg_normal_(tg_module_tensor_at(g->letters, "weight"), 0, 0.02);
    if (g) tg_normal_(tg_module_tensor_at(g->places, "weight"), 0, 0.02);
    tg_grad_mode(tg, was);
    return (gpt *)TG_MODULE_OF(g);
}

/* i64 [N, T] -> [N, T, letters]: at each place the scores of the letter that follows. */
static tg_tensor *gpt_forward(gpt *g, tg_tensor *letters, cache *c) {
    if (!g || !letters) return NULL;
    size_t mark = tg_module_enter(&g->m);
    int64_t from = c ? c->length : 0;
    tg_tensor *places = tg_arange(g->m.tg, (double)from, (double)(from + letters->shape[1]), 1, TG_I64);
    tg_tensor *x = tg_add(tg_forward(g->letters, letters), tg_forward(g->places, places));
    for (int i = 0; i < LAYERS && x; i++) {
        block *b = (block *)g->blocks[i];
        x = tg_add(x, attention(b, tg_forward(b->norm1, x), c, i));
        x = tg_add(x, tg_forward(b->mlp, tg_forward(b->norm2, x)));
    }
    if (c) c->length += letters->shape[1];
    return tg_module_leave(&g->m, mark, tg_forward(g->head, tg_forward(g->norm, x)));
}

/* ---- Training: windows from anywhere in the text; the target is the same window, one letter later. ---- */

static double train_step(tg_ctx *tg, gpt *g, tg_optim *adam, const text *t) {
    tg_mark scope = tg_begin(tg);
    int64_t starts[BATCH], window[BATCH][CONTEXT + 1];
    double value = 0;
    if (tg_read(tg_randint(tg, 0, t->length - CONTEXT, TG_SHAPE(BATCH)), starts, sizeof starts)) {
        for (int i = 0; i < BATCH; i++) memcpy(window[i], t->letter + starts[i], sizeof window[i]);
        tg_tensor *w = tg_from(tg, TG_SHAPE(BATCH, CONTEXT + 1), TG_I64, window);
        tg_tensor *scores = gpt_forward(g, tg_narrow(w, 1, 0, CONTEXT), NULL);
        tg_tensor *target = tg_narrow(w, 1, 1, CONTEXT);
        tg_tensor *loss = tg_cross_entropy(tg_flatten(scores, 0, 1), tg_flatten(target, 0, 1));
        tg_backward(loss);
        tg_clip_grad_norm_(tg_optim_params(adam), tg_optim_count(adam), 1);
        tg_step(adam);
        value = tg_item(loss);
    }
    tg_end(tg, scope);
    return value;
}

static void train(tg_ctx *tg, gpt *g, const text *t, int steps) {
    tg_optim *adam = tg_optim_adamw(&g->m, 3e-3, .betas = {TG_IS(0.9), TG_IS(0.99)});
    double average = 0, begin = tg_seconds(tg);
    for (int step = 1; step <= steps && !tg_failed(tg); step++) {
        tg_optim_set_lr(adam, 0, step < 20 ? 1.5e-4 * step : tg_cosine_annealing_lr(3e-3, step - 20, steps - 19, 1e-4));
        double loss = train_step(tg, g, adam, t);
        average += (step == 1 ? 1 : 0.1) * (loss - average);
        if (step % 100 == 0 || step == steps) {
            printf("step %d  loss %.3f  %.0f letters/s\n", step, average,
                   (double)step * BATCH * CONTEXT / (tg_seconds(tg) - begin));
            fflush(stdout);
        }
    }
}

/* ---- Writing. ---- */

/* Writes `count` letters behind those in `letter`; the likeliest, or one by lot where the temperature is above 0. When the
   context is full its second half stays. Without a cache each letter costs what all in the context cost. */
static double generate(tg_ctx *tg, gpt *g, int64_t *letter, int prompt, int count, double temperature, bool cached) {
    double begin = tg_seconds(tg);
    int from = 0;
    cache c = { {NULL}, {NULL}, 0 };
    tg_mark whole = tg_begin(tg);
    for (int i = 0; i < LAYERS; i++) {
        c.keys[i] = tg_zeros(tg, TG_SHAPE(1, HEADS, CONTEXT, WIDTH / HEADS));
        c.values[i] = tg_zeros(tg, TG_SHAPE(1, HEADS, CONTEXT, WIDTH / HEADS));
    }
    for (int n = prompt; n < prompt + count && !tg_failed(tg); n++) {
        if (n - from == CONTEXT) { from += CONTEXT / 2; c.length = 0; }
        int first = from + (cached ? (int)c.length : 0);                       /* what the model has not seen yet */
        tg_mark scope = tg_begin(tg);
        tg_tensor *news = tg_from(tg, TG_SHAPE(1, n - first), TG_I64, letter + first);
        tg_tensor *scores = tg_select(tg_select(gpt_forward(g, news, cached ? &c : NULL), 1, -1), 0, 0);
        tg_tensor *next = temperature > 0 ? tg_multinomial(tg_softmax(tg_div_scalar(scores, temperature), 0), 1, true)
                                          : tg_argmax(scores);
        letter[n] = tg_item_i64(next);
        tg_end(tg, scope);
    }
    tg_end(tg, whole);
    return tg_seconds(tg) - begin;
}

static void write_on(tg_ctx *tg, gpt *g, const text *t, int count) {
    enum { PROMPT = 20, MOST = 1000 };
    static int64_t with[PROMPT + MOST], without[PROMPT + MOST];
    int start = (int)(t->length / 3);
    memcpy(with, t->letter + start, PROMPT * sizeof *with);
    memcpy(without, with, PROMPT * sizeof *with);
    generate(tg, g, with, PROMPT, count, 0.7, true);
    printf("\n----\n");
    for (int i = 0; i < PROMPT + count; i++) putchar(t->shown[with[i]]);
    printf("\n----\n");
    double quick = generate(tg, g, with, PROMPT, count, 0, true);
    double slow = generate(tg, g, without, PROMPT, count, 0, false);
    int same = 0;
    while (same < count && with[PROMPT + same] == without[PROMPT + same]) same++;
    printf("%d of %d letters are the same with and without the cache: %.0f and %.0f letters/s\n", same, count,
           count / quick, count / slow);
}

int main(int argc, char **argv) {
    bool brief = argc > 1 && strcmp(argv[1], "short") == 0;
    const char *path = argc > 1 && !brief ? argv[1] : __FILE__;
    text t;
    if (!read_text(&t, path)) { fprintf(stderr, "%s cannot be read, or is too short\n", path); return 1; }
    tg_ctx *tg = tg_open(&(tg_config){ .threads = -1 });
    if (!tg) return 1;
    gpt *g = gpt_new(tg, t.letters);
    if (g) {
        printf("%s: %d letters, %d different ones; %d numbers to learn\n", path, (int)t.length, t.letters,
               (int)tg_parameter_count(&g->m));
        train(tg, g, &t, brief ? 100 : 1000);
        tg_grad_mode(tg, false);
        write_on(tg, g, &t, brief ? 150 : 400);
    }
    bool failed = tg_failed(tg);                           /* the message is on stderr already */
    tg_close(tg);
    free(t.letter);
    return failed;
}
