/* 02_lstm.c - an LSTM reads the names of the chemical elements, letter by letter, and invents some more.

       cc -O2 examples/02_lstm.c -o 02_lstm -lm && ./02_lstm        some seconds
       ./02_lstm names.txt                                          other names, one a line, in small letters a to z
       ./02_lstm short                                              a few steps, for the tests

   Prints the loss in nats for each letter (3.3 = log 27 before anything is learned) and then 40 names; those that are in
   the list have a star. With a lower loss it knows the list by heart and invents less: it stops at 0.9. */

#define TENSORGRAD_IMPLEMENTATION
#include "../tensorgrad.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LETTERS = 27, LONGEST = 20, MOST = 500, WIDTH = 32, HIDDEN = 128 };      /* letter 0 is the end of a name */

static const char elements[] =
    "hydrogen helium lithium beryllium boron carbon nitrogen oxygen fluorine neon sodium magnesium aluminium silicon "
    "phosphorus sulfur chlorine argon potassium calcium scandium titanium vanadium chromium manganese iron cobalt nickel "
    "copper zinc gallium germanium arsenic selenium bromine krypton rubidium strontium yttrium zirconium niobium "
    "molybdenum technetium ruthenium rhodium palladium silver cadmium indium tin antimony tellurium iodine xenon caesium "
    "barium lanthanum cerium praseodymium neodymium promethium samarium europium gadolinium terbium dysprosium holmium "
    "erbium thulium ytterbium lutetium hafnium tantalum tungsten rhenium osmium iridium platinum gold mercury thallium "
    "lead bismuth polonium astatine radon francium radium actinium thorium protactinium uranium neptunium plutonium "
    "americium curium berkelium californium einsteinium fermium mendelevium nobelium lawrencium rutherfordium dubnium "
    "seaborgium bohrium hassium meitnerium darmstadtium roentgenium copernicium nihonium flerovium moscovium "
    "livermorium tennessine oganesson ";

typedef struct names { char name[MOST][LONGEST + 1]; int count; } names;

static void add_letter(names *list, int c, int *length) {
    if (c >= 'a' && c <= 'z' && *length < LONGEST && list->count < MOST) list->name[list->count][(*length)++] = (char)c;
    else if (*length) { list->count++; *length = 0; }
}

static bool read_names(names *list, const char *path) {
    int length = 0;
    if (!path) for (const char *c = elements; *c; c++) add_letter(list, *c, &length);
    else {
        FILE *f = fopen(path, "rb");
        if (!f) return false;
        for (int c; (c = fgetc(f)) != EOF;) add_letter(list, c, &length);
        add_letter(list, '\n', &length);
        fclose(f);
    }
    return list->count > 0;
}

static bool known(const names *list, const char *name) {
    for (int i = 0; i < list->count; i++) if (strcmp(list->name[i], name) == 0) return true;
    return false;
}

/* ---- The model: a table of letters, the LSTM, and scores of the letter that follows. ---- */

typedef struct namer { tg_module m; tg_module *letters, *lstm, *head; } namer;

static namer *namer_new(tg_ctx *tg) {
    namer *n = TG_MODULE(tg, namer, NULL);
    TG_PART(n, letters, tg_nn_embedding(tg, LETTERS, WIDTH));
    TG_PART(n, lstm, tg_nn_lstm(tg, WIDTH, HIDDEN, .batch_first = true));
    TG_PART(n, head, tg_nn_linear(tg, HIDDEN, LETTERS));
    return (namer *)TG_MODULE_OF(n);
}

/* i64 [N, T] -> [N, T, LETTERS]. h and c, what the LSTM remembers, go in and come out; NULL at first. */
static tg_tensor *namer_forward(namer *n, tg_tensor *letters, tg_tensor **h, tg_tensor **c) {
    size_t mark = tg_module_enter(&n->m);
    tg_tensor *x = tg_forward_rnn(n->lstm, tg_forward(n->letters, letters), .h0 = *h, .c0 = *c, .h_n = h, .c_n = c);
    return tg_module_leave(&n->m, mark, tg_forward(n->head, x));
}

/* ---- Training: all names at once. ---- */

/* "neon" is read as 0 n e o n and asks for n e o n 0; what is behind does not count. */

static void train(tg_ctx *tg, namer *n, const names *list, int steps) {
    static int64_t letter[MOST][LONGEST + 1], target[MOST][LONGEST + 1];
    for (int i = 0; i < list->count; i++) {
        int length = (int)strlen(list->name[i]);
        for (int k = 0; k <= LONGEST; k++) {
            letter[i][k] = k == 0 || k > length ? 0 : list->name[i][k - 1] - 'a' + 1;
            target[i][k] = k < length ? list->name[i][k] - 'a' + 1 : k == length ? 0 : -100;
        }
    }
    tg_tensor *x = tg_from(tg, TG_SHAPE(list->count, LONGEST + 1), TG_I64, letter);
    tg_tensor *y = tg_from(tg, TG_SHAPE(list->count * (LONGEST + 1)), TG_I64, target);
    tg_optim *adam = tg_optim_adam(&n->m, 5e-3);
    double loss = 9;
    for (int step = 1; step <= steps && loss > 0.9 && !tg_failed(tg); step++) {
        tg_mark scope = tg_begin(tg);
        tg_tensor *h = NULL, *c = NULL;
        tg_tensor *scores = namer_forward(n, x, &h, &c);
        tg_tensor *error = tg_cross_entropy(tg_flatten(scores, 0, 1), y);      /* a target of -100 does not count */
        tg_backward(error);
        tg_clip_grad_norm_(tg_optim_params(adam), tg_optim_count(adam), 1);
        tg_step(adam);
        loss = tg_item(error);
        tg_end(tg, scope);
        if (step % 20 == 0 || step == steps) { printf("step %d  loss %.3f\n", step, loss); fflush(stdout); }
    }
    printf("the loss has come down to %.3f\n", loss);
}

/* ---- Inventing: each letter is drawn by lot and read again. ---- */

static void invent(tg_ctx *tg, namer *n, char *name) {
    tg_mark scope = tg_begin(tg);
    tg_tensor *h = NULL, *c = NULL;
    int length = 0;
    for (int64_t letter = 0; length < LONGEST && !tg_failed(tg);) {
        tg_tensor *scores = namer_forward(n, tg_from(tg, TG_SHAPE(1, 1), TG_I64, &letter), &h, &c);
        tg_tensor *chances = tg_softmax(tg_div_scalar(tg_flatten(scores, 0, -1), 0.8), 0);
        letter = tg_item_i64(tg_multinomial(chances, 1, true));
        if (letter <= 0) break;
        name[length++] = (char)('a' + letter - 1);
    }
    name[length] = 0;
    tg_end(tg, scope);
}

int main(int argc, char **argv) {
    static names list;
    bool brief = argc > 1 && strcmp(argv[1], "short") == 0;
    const char *path = argc > 1 && !brief ? argv[1] : NULL;
    int news = 0;
    if (!read_names(&list, path)) { fprintf(stderr, "%s cannot be read, or has no names\n", path); return 1; }
    tg_ctx *tg = tg_open(&(tg_config){ .threads = -1 });
    if (!tg) return 1;
    namer *n = namer_new(tg);
    if (n) {
        train(tg, n, &list, brief ? 60 : 400);
        tg_grad_mode(tg, false);
        for (int i = 0; i < 40; i++) {
            char name[LONGEST + 1];
            invent(tg, n, name);
            bool old = known(&list, name);
            news += !old;
            printf("%s%s%s", name, old ? "*" : "", i % 8 == 7 ? "\n" : " ");
        }
        printf("%d of 40 names are new\n", news);
    }
    bool failed = tg_failed(tg);                           /* the message is on stderr already */
    tg_close(tg);
    return failed;
}
