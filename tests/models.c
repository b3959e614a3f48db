/* Runs the models of examples/models against folders of fixtures: weights, inputs and what PyTorch made of them.
     sh tests/run.sh models [--verbose] [DIR...]      without folders all of ../shared/models, where that is

   A folder holds model.json, io.safetensors and weights (its README, beside the folders, is their description). What model.json lists is checked: outputs, losses,
   the gradient of every parameter, buffers after a step of training, runs of optimisers, generated text, non-maximum suppression; for model.safetensors with each
   configuration that is there, and for the shards. Half precision and checkpoints are read and compared with what they must hold. The model is chosen by `arch`
   and built from `hyper`, or from config.json where there is one. A line for each check that fails: folder, weights, what, largest difference; when an output is
   wrong, how wrong each hidden tensor is too. Other formats of weights are told as skipped. The closing line counts folders.
   run.sh flags: -lm */
#include "../tensorgrad.h"
#include "small_json.h"
#include <math.h>
#include <stdarg.h>
#include <dirent.h>
#include "../examples/models/mlp.h"
#include "../examples/models/lenet.h"
#include "../examples/models/vgg.h"
#include "../examples/models/resnet.h"
#include "../examples/models/mobilenet_v2.h"
#include "../examples/models/gpt2.h"
#include "../examples/models/llama.h"
#include "../examples/models/bert.h"
#include "../examples/models/vit.h"
#include "../examples/models/rnn_lm.h"
#include "../examples/models/recommender.h"
#include "../examples/models/transformer.h"
#include "../examples/models/dcgan.h"
#include "../examples/models/unet_ddpm.h"
#include "../examples/models/detector.h"
#include "../examples/models/t5.h"
#include "../examples/models/whisper.h"

enum { MAX_RESULTS = 32, MAX_TEXT = 600 };

/* ---- a folder, and the pass that is being made ---- */

typedef struct kind kind;
typedef struct folder {
    const char *dir, *name;
    char *json, *config_text;         /* model.json; the configuration, or NULL */
    const char *hyper;                /* where hyperparameters are looked up: the configuration, or model.json's own */
    const kind *of;
    tg_ctx *tg;
    tg_dict *io, *weights;
    tg_module *net;
    char label[128];                  /* which weights and configuration */
    bool verbose, unsupported;
    int failed;                       /* checks */
    long checks;
    /* the pass: names of operands to names of tensors in io, NULL: the operands of model.json's `inputs`; row k of each where row >= 0 */
    const char *batch;
    int64_t row;
    struct { const char *name; tg_tensor *t; } result[MAX_RESULTS];
    int results;
} folder;

struct kind {
    const char *arch;
    tg_module *(*make)(folder *f);
    void (*pass)(folder *f);                                          /* operands by in(), results by out() */
    tg_tensor *(*loss)(folder *f, const char *text);                  /* NULL: as the text says, from the results */
    tg_tensor *(*generate)(folder *f, tg_tensor *prompt, int64_t n);  /* NULL: it writes nothing */
    const char *hidden[2];                                            /* which modules' results ("<": what goes in) are hidden.0, hidden.1, ...; %d counts layers */
};

/* One line, however long the message. */
static void fails(folder *f, const char *what, const char *format, ...) {
    char text[400], *p;
    va_list list;
    va_start(list, format);
    (void)vsnprintf(text, sizeof text, format, list);
    va_end(list);
    for (p = text; *p; p++) if (*p == '\n') *p = ' ';
    printf("FAIL %s: %s: %s: %s\n", f->name, f->label, what, text);
    f->failed++;
}

/* Fields of model.json's entries. */
static double number_in(const char *entry, const char *name, double otherwise) {
    const char *p = json_field(entry, name);
    return p && *p != 'n' ? strtod(p, NULL) : otherwise;
}
static const char *text_in(const char *entry, const char *name, char *out, size_t size) {
    const char *p = json_field(entry, name);
    *out = 0;
    if (p && *p == '"') json_string(p, out, size);
    return out;
}

/* ---- hyperparameters ---- */

static const char *setting(folder *f, const char *name) {
    const char *p = json_field(f->hyper, name);
    return p && strncmp(p, "null", 4) != 0 ? p : NULL;
}
static double number(folder *f, const char *name, double otherwise) {
    const char *p = setting(f, name);
    return p ? strtod(p, NULL) : otherwise;
}
static int64_t whole(folder *f, const char *name, int64_t otherwise) { return (int64_t)number(f, name, (double)otherwise); }
static bool flag(folder *f, const char *name, bool otherwise) {
    const char *p = setting(f, name);
    return p ? *p == 't' : otherwise;
}
static const char *words(folder *f, const char *name, const char *otherwise, char *out, size_t size) {
    const char *p = setting(f, name);
    (void)snprintf(out, size, "%s", otherwise);
    if (p && *p == '"') json_string(p, out, size);
    return out;
}
static activation act_of(folder *f, const char *name, const char *otherwise) {
    char text[64];
    activation a = activation_named(words(f, name, otherwise, text, sizeof text));
    if (!a) { fails(f, name, "no activation is called %s", text); f->unsupported = true; return tg_relu; }
    return a;
}
/* A list of whole numbers; a text in it counts as -1. Returns how many. */
static int numbers(folder *f, const char *name, int64_t *out, int room) {
    const char *p = setting(f, name);
    int n = 0;
    for (p = p ? json_first(p) : NULL; p; p = json_next(p, 0)) {
        if (n == room) { fails(f, name, "more than %d of them", room); f->unsupported = true; break; }
        out[n++] = *p == '"' ? -1 : (int64_t)strtod(p, NULL);
    }
    return n;
}
static int size_of_list(const char *p, int is_object) {
    int n = 0;
    for (p = p ? json_first(p) : NULL; p; p = json_next(p, is_object)) n++;
    return n;
}

/* ---- operands and results of a pass ---- */

static tg_tensor *in(folder *f, const char *name) {
    char text[256];
    const char *p = f->batch ? json_field(f->batch, name) : NULL;
    tg_tensor *t;
    if (p) json_string(p, text, sizeof text);
    else if (f->batch) return NULL;
    else (void)snprintf(text, sizeof text, "in.%s", name);
    t = tg_dict_get(f->io, text);
    if (!t && f->batch) fails(f, text, "io.safetensors has no such tensor");
    return t && f->row >= 0 ? tg_select(t, 0, f->row) : t;
}
static void out(folder *f, const char *name, tg_tensor *t) {
    if (f->results == MAX_RESULTS) return;
    f->result[f->results].name = name;
    f->result[f->results++].t = t;
}
static tg_tensor *result(folder *f, const char *name) {
    for (int i = 0; i < f->results; i++) if (strcmp(f->result[i].name, name) == 0) return f->result[i].t;
    return NULL;
}
static int64_t side_of(folder *f, const char *name, int dim, int64_t otherwise) {
    char text[128];
    (void)snprintf(text, sizeof text, "in.%s", name);
    tg_tensor *t = tg_dict_get(f->io, text);
    return t && dim < t->ndim ? t->shape[dim] : otherwise;
}

/* ---- comparing ---- */

static double *doubles_of(tg_tensor *t) {
    double *p = (double *)malloc((size_t)(t->numel ? t->numel : 1) * sizeof *p);
    if (!p) exit(2);
    if (!tg_read(tg_to(tg_detach(t), TG_F64), p, (size_t)t->numel * sizeof *p)) { free(p); return NULL; }
    return p;
}
static void shape_text(tg_tensor *t, char *text, size_t size) {
    size_t n = (size_t)snprintf(text, size, "%s[", tg_dtype_name(t->dtype));
    for (int i = 0; i < t->ndim && n < size; i++) n += (size_t)snprintf(text + n, size - n, "%s%lld", i ? ", " : "", (long long)t->shape[i]);
    if (n < size) (void)snprintf(text + n, size - n, "]");
}
/* The largest |got - want|, and the largest part of it that rtol and atol do not allow; NaN is infinitely far from all but NaN. */
static bool differences(tg_tensor *got, tg_tensor *want, double rtol, double atol, double *worst, double *beyond) {
    double *a = doubles_of(got), *b = doubles_of(want);
    *worst = *beyond = 0;
    for (int64_t i = 0; a && b && i < got->numel; i++) {
        double d = a[i] == b[i] || (isnan(a[i]) && isnan(b[i])) ? 0 : fabs(a[i] - b[i]);
        double allowed = atol + rtol * fabs(b[i]);
        if (!(d <= allowed)) { if (!(d - allowed <= *beyond)) *beyond = d - allowed; if (isnan(d)) *beyond = INFINITY; }
        if (!(d <= *worst)) *worst = isnan(d) ? INFINITY : d;
    }
    free(a); free(b);
    return a && b;
}
static bool same_shape(tg_tensor *a, tg_tensor *b) { return a->ndim == b->ndim && memcmp(a->shape, b->shape, (size_t)a->ndim * sizeof *a->shape) == 0; }

static bool check(folder *f, const char *what, tg_tensor *got, tg_tensor *want, double rtol, double atol) {
    double worst, beyond;
    f->checks++;
    if (tg_failed(f->tg)) { fails(f, what, "%s", tg_error_text(f->tg)); tg_clear(f->tg); return false; }
    if (!want) { fails(f, what, "io.safetensors has no such tensor"); return false; }
    if (!got) { fails(f, what, "the model gives no such result"); return false; }
    if (!same_shape(got, want) || tg_dtype_is_float(got->dtype) != tg_dtype_is_float(want->dtype)) {
        char a[128], b[128];
        shape_text(got, a, sizeof a); shape_text(want, b, sizeof b);
        fails(f, what, "got %s, want %s", a, b);
        return false;
    }
    if (!differences(got, want, rtol, atol, &worst, &beyond)) { fails(f, what, "%s", tg_error_text(f->tg)); tg_clear(f->tg); return false; }
    if (beyond > 0) { fails(f, what, "largest difference %g, allowed %g + %g |want|", worst, atol, rtol); return false; }
    if (f->verbose) printf("ok   %s: %s: %s: largest difference %g\n", f->name, f->label, what, worst);
    return true;
}

/* ---- losses ---- */

/* logits [N, T, V], classes [N, T] -> the two as cross-entropy takes them */
static tg_tensor *cross_entropy(tg_tensor *logits, tg_tensor *classes, double smoothing) {
    if (!logits || !classes) return NULL;
    logits = tg_reshape(logits, TG_SHAPE(-1, logits->shape[logits->ndim - 1]));
    return tg_cross_entropy(logits, tg_reshape(classes, TG_SHAPE(-1)), .label_smoothing = smoothing);
}
static tg_tensor *target_of(folder *f) {
    static const char *const names[] = { "y", "labels", "tags", "target" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) if (f->batch && json_field(f->batch, names[i])) return in(f, names[i]);
    return NULL;
}
static tg_tensor *loss_by_words(folder *f, const char *text) {
    tg_tensor *y = f->results ? f->result[0].t : NULL;
    const char *smoothing = strstr(text, "smoothing ");
    if (!y) return NULL;
    if (strstr(text, "next-token")) {
        tg_tensor *ids = in(f, "ids");
        int64_t n = ids ? ids->shape[1] - 1 : 0;
        return cross_entropy(tg_narrow(y, 1, 0, n), tg_narrow(ids, 1, 1, n), 0);
    }
    if (strstr(text, "binary cross entropy with logits")) return tg_binary_cross_entropy_with_logits(y, target_of(f));
    if (strstr(text, "squared error")) return tg_mse_loss(tg_reshape_as(y, target_of(f)), target_of(f));
    if (strstr(text, "cross entropy")) return cross_entropy(y, target_of(f), smoothing ? strtod(smoothing + 10, NULL) : 0);
    return NULL;
}

/* A pass and its loss; text: what the loss is, in words. */
static tg_tensor *loss_of(folder *f, const char *text) {
    f->results = 0;
    if (f->of->loss) return f->of->loss(f, text);
    f->of->pass(f);
    return loss_by_words(f, text);
}

/* ---- weights ---- */

static char *path_of(folder *f, const char *file) {
    static char path[2048];
    (void)snprintf(path, sizeof path, "%s/%s", f->dir, file);
    return path;
}
static bool is_there(folder *f, const char *file) {
    FILE *p = fopen(path_of(f, file), "rb");
    if (p) (void)fclose(p);
    return p != NULL;
}
/* All tensors of the files that an index names. */
static tg_dict *load_shards(folder *f) {
    char *text = read_whole(path_of(f, "sharded/model.safetensors.index.json"), NULL), name[256], file[256], last[256] = "";
    tg_dict *all = text ? tg_dict_new(f->tg) : NULL, *shard = NULL;
    const char *p = text ? json_field(text, "weight_map") : NULL;
    for (p = p ? json_first(p) : NULL; all && p; p = json_next(p, 1)) {
        json_string(p, name, sizeof name);
        json_string(json_value(p), file, sizeof file);
        if (strcmp(file, last) != 0) {
            char where[300];
            tg_dict_free(shard);
            (void)snprintf(where, sizeof where, "sharded/%s", file);
            shard = tg_safetensors_load(f->tg, path_of(f, where));
            (void)snprintf(last, sizeof last, "%s", file);
        }
        if (!shard || !tg_dict_get(shard, name)) { fails(f, name, "its shard does not hold it"); break; }
        tg_dict_set(all, name, tg_dict_get(shard, name));
    }
    tg_dict_free(shard);
    free(text);
    return all;
}
/* The model as it is stored: weights and running statistics, no gradients. */
static bool reset(folder *f) {
    tg_module_zero_grad(f->net);
    return tg_load_state_dict(f->net, f->weights, NULL);
}

/* ---- what model.json lists ---- */

/* Hidden tensors are caught by hooks, for models give none: a second pass tells how far off each is. */
enum { MAX_HIDDEN = 256 };
static bool watching;                 /* hooks stay, and other passes are not watched */
typedef struct watch { folder *f; int number; bool before; } watch;
static tg_tensor *tell_hidden(void *user, tg_module *m, tg_tensor *x, tg_tensor *y) {
    watch *w = (watch *)user;
    char name[32];
    double worst, beyond;
    tg_tensor *want, *got = w->before ? x : y;
    (void)m;
    (void)snprintf(name, sizeof name, "hidden.%d", w->number);
    want = tg_dict_get(w->f->io, name);
    if (!watching || !want) return NULL;
    if (!same_shape(got, want) || !differences(got, want, 0, 0, &worst, &beyond)) printf("     %s is of another shape\n", name);
    else printf("     %s: largest difference %g\n", name, worst);
    return NULL;
}
static void watch_hidden(folder *f) {
    static watch list[MAX_HIDDEN];
    int n = 0;
    for (int k = 0; k < 2; k++) {
        const char *pattern = f->of->hidden[k];
        for (int i = 0; pattern && n < MAX_HIDDEN && (i == 0 || strstr(pattern, "%d")); i++) {
            char path[128];
            const char *d = strstr(pattern, "%d"), *from = pattern + (*pattern == '<');
            if (d) (void)snprintf(path, sizeof path, "%.*s%d%s", (int)(d - from), from, i, d + 2); else (void)snprintf(path, sizeof path, "%s", from);
            if (!tg_module_at(f->net, path)) break;
            list[n].f = f; list[n].number = n; list[n].before = *pattern == '<';
            tg_module_hook(tg_module_at(f->net, path), tell_hidden, &list[n]);
            n++;
        }
    }
    f->results = 0;
    watching = true;
    if (n) f->of->pass(f);
    watching = false;
}

/* A copy of the model gives the same bits, whatever becomes of the model. */
static void check_copy(folder *f) {
    tg_module *model = f->net, *copy = tg_module_copy(model);
    tg_tensor *was = f->results ? f->result[0].t : NULL, **list;
    int64_t n = tg_parameters(model, NULL, 0);
    list = (tg_tensor **)calloc((size_t)n + 1, sizeof *list);
    if (!list) exit(2);
    (void)tg_parameters(model, list, n);
    for (int64_t i = 0; copy && i < n; i++) tg_zero_(list[i]);
    free(list);
    if (copy) {
        f->net = copy; f->results = 0;
        f->of->pass(f);
        (void)check(f, "a copy's first result", f->results ? f->result[0].t : NULL, was, 0, 0);
        f->net = model;
    } else { fails(f, "module_copy", "%s", tg_error_text(f->tg)); tg_clear(f->tg); }
    tg_module_free(copy);
}

/* All results that the folder names. */
static bool right_outputs(folder *f) {
    const char *p = json_field(f->json, "outputs");
    bool good = true;
    f->results = 0;
    f->of->pass(f);
    for (p = p ? json_first(p) : NULL; p; p = json_next(p, 0)) {
        char name[128], tensor[160];
        (void)text_in(p, "name", name, sizeof name);
        (void)text_in(p, "tensor", tensor, sizeof tensor);
        good &= check(f, tensor, result(f, name), tg_dict_get(f->io, tensor), number_in(p, "rtol", 0), number_in(p, "atol", 0));
    }
    return good;
}
/* And a copy that is made one for inference, with its norms folded where one operand is all that goes in. */
static void check_baked(folder *f) {
    tg_module *model = f->net, *copy = tg_module_copy(model);
    tg_tensor *x = in(f, "x");
    if (tg_bake(copy, model->forward ? x : NULL)) {
        f->net = copy;
        (void)right_outputs(f);
        f->net = model;
    } else { fails(f, "bake", "%s", tg_error_text(f->tg)); tg_clear(f->tg); }
    tg_module_free(copy);
}

/* Results of the model in evaluation mode. */
static void check_outputs(folder *f) {
    const bool was = tg_grad_mode(f->tg, false);
    tg_mark scope = tg_begin(f->tg);
    if (reset(f)) {
        bool good;
        tg_train(f->net, false);
        f->batch = NULL; f->row = -1;
        good = right_outputs(f);
        if (!good && tg_dict_get(f->io, "hidden.0")) watch_hidden(f);
        if (good) { check_baked(f); good = right_outputs(f); }
        if (good) check_copy(f);
    }
    tg_end(f->tg, scope);
    (void)tg_grad_mode(f->tg, was);
}

/* Gradients named prefix + path, and that no parameter has one which is not expected. */
static void check_gradients(folder *f, const char *prefix, double rtol, double atol) {
    tg_tensor **list, **met;
    int64_t n = tg_parameters(f->net, NULL, 0), n_met = 0;
    list = (tg_tensor **)calloc((size_t)n + 1, sizeof *list); met = (tg_tensor **)calloc((size_t)n + 1, sizeof *met);
    if (!list || !met) exit(2);
    for (int64_t i = 0; i < tg_dict_count(f->io); i++) {
        const char *name = tg_dict_name(f->io, i);
        tg_tensor *t;
        if (strncmp(name, prefix, strlen(prefix)) != 0) continue;
        t = tg_module_tensor_at(f->net, name + strlen(prefix));
        if (!t) { fails(f, name, "the model has no such parameter"); continue; }
        if (n_met < n) met[n_met++] = t;
        (void)check(f, name, tg_has_grad(t) ? tg_grad_of(t) : NULL, tg_dict_at(f->io, i), rtol, atol);
    }
    (void)tg_parameters(f->net, list, n);
    for (int64_t i = 0, k; i < n; i++) {
        for (k = 0; k < n_met && met[k] != list[i]; k++) {}
        if (k == n_met && tg_has_grad(list[i])) fails(f, prefix, "parameter %lld has a gradient that is not expected", (long long)i);
    }
    free(list); free(met);
}
static void check_buffers(folder *f, const char *prefix) {
    for (int64_t i = 0; i < tg_dict_count(f->io); i++) {
        const char *name = tg_dict_name(f->io, i);
        if (strncmp(name, prefix, strlen(prefix)) == 0) (void)check(f, name, tg_module_tensor_at(f->net, name + strlen(prefix)), tg_dict_at(f->io, i), 1e-4, 1e-5);
    }
}
/* "grad.<parameter>" -> "grad."; false where the field is not there. */
static bool prefix_of(const char *entry, const char *field, char *text, size_t size) {
    const char *p = json_field(entry, field);
    if (!p || *p != '"') return false;
    json_string(p, text, size);
    if (strchr(text, '<')) *strchr(text, '<') = 0;
    return true;
}

/* An entry "loss", "loss_eval", "loss_d", ...: its value, gradients, and buffers behind it. */
static void check_loss(folder *f, const char *entry, const char *name) {
    char text[MAX_TEXT], mode[16] = "", prefix[128];
    tg_mark scope = tg_begin(f->tg);
    tg_tensor *loss = NULL;
    (void)text_in(entry, "kind", text, sizeof text);
    (void)text_in(entry, "mode", mode, sizeof mode);
    if (reset(f)) {
        tg_train(f->net, strcmp(mode, "eval") != 0);
        f->batch = json_field(entry, "batch"); f->row = -1;
        loss = loss_of(f, text);
    }
    if (!loss && !tg_failed(f->tg)) { fails(f, name, "this loss is not known: %s", text); tg_end(f->tg, scope); return; }
    if (loss) tg_backward(loss);
    (void)check(f, name, loss, tg_dict_get(f->io, name), number_in(entry, "rtol", 0), 0);
    if (prefix_of(entry, "grads", prefix, sizeof prefix))
        check_gradients(f, prefix, number_in(entry, "grad_rtol", 0), number_in(entry, "grad_atol", 0));
    if (prefix_of(entry, "buffers_after", prefix, sizeof prefix)) check_buffers(f, prefix);
    tg_end(f->tg, scope);
}

/* ---- optimisers ---- */

/* Behind the word `name` in "SGD lr=0.01 momentum=0.9 nesterov"; NULL where it is not. */
static const char *word_of(const char *text, const char *name) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz_ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    size_t n = strlen(name);
    for (const char *p = text; (p = strstr(p, name)) != NULL; p += n)
        if ((p == text || !strchr(letters, p[-1])) && (!p[n] || !strchr(letters, p[n]))) return p + n;
    return NULL;
}
/* The number behind it; of two in brackets the second where `second`. */
static tg_maybe option_of(const char *text, const char *name, bool second) {
    tg_maybe v = { false, 0 };
    const char *p = word_of(text, name);
    if (!p || *p != '=') return v;
    p += p[1] == '(' ? 2 : 1;
    if (second) { p = strchr(p, ','); if (!p) return v; p++; }
    v.is = true; v.value = strtod(p, NULL);
    return v;
}
static bool is_set(const char *text, const char *name) {
    const char *p = word_of(text, name);
    return p && strncmp(p, "=False", 6) != 0;
}
static tg_optim *optimiser(folder *f, const char *text) {
    static const struct { const char *name; tg_optim_rule rule; } rules[] = {
        { "AdamW", TG_OPTIM_ADAMW }, { "Adam", TG_OPTIM_ADAM }, { "SGD", TG_OPTIM_SGD }, { "RMSprop", TG_OPTIM_RMSPROP }, { "Adagrad", TG_OPTIM_ADAGRAD },
        { "Adadelta", TG_OPTIM_ADADELTA }, { "Adamax", TG_OPTIM_ADAMAX }, { "NAdam", TG_OPTIM_NADAM }, { "RAdam", TG_OPTIM_RADAM }, { "ASGD", TG_OPTIM_ASGD },
        { "Rprop", TG_OPTIM_RPROP }, { "Lion", TG_OPTIM_LION },
    };
    static tg_optim_args zeros;
    tg_optim_args a = zeros;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) if (word_of(text, rules[i].name) == text + strlen(rules[i].name)) a.rule = rules[i].rule;
    if (!a.rule) return NULL;
    a.module = f->net;
    a.lr = option_of(text, "lr", false).is ? option_of(text, "lr", false).value : 1e-3;
    a.momentum = option_of(text, "momentum", false);
    a.dampening = option_of(text, "dampening", false);
    a.weight_decay = option_of(text, "weight_decay", false);
    a.betas[0] = option_of(text, "betas", false);
    a.betas[1] = option_of(text, "betas", true);
    a.eps = option_of(text, "eps", false);
    a.alpha = option_of(text, "alpha", false);
    a.lr_decay = option_of(text, "lr_decay", false);
    a.rho = option_of(text, "rho", false);
    a.momentum_decay = option_of(text, "momentum_decay", false);
    a.nesterov = is_set(text, "nesterov");
    a.amsgrad = is_set(text, "amsgrad");
    a.centered = is_set(text, "centered");
    a.maximize = is_set(text, "maximize");
    return tg_optim_from(&a);
}

/* "... after clipping the gradient norm (clip_grad_norm_) to 0.25": the number, else 0. */
static double clipping(const char *text) {
    const char *p = strstr(text, "clip_grad_norm_");
    if (p) p = strstr(p, " to ");
    return p ? strtod(p + 4, NULL) : 0;
}

/* Is a parameter's gradient nothing but rounding, in the stored one? So it is of a bias in front of a normalisation, which takes it away again. */
static bool is_noise(folder *f, const char *name) {
    const char *loss = json_field(f->json, "loss");
    char full[300];
    double atol = loss ? number_in(loss, "grad_atol", 0) : 0, *g;
    bool noise = true;
    tg_tensor *t;
    (void)snprintf(full, sizeof full, "grad.%s", name);
    t = tg_dict_get(f->io, full);
    g = t ? doubles_of(t) : NULL;
    for (int64_t i = 0; g && i < t->numel; i++) if (fabs(g[i]) > atol) noise = false;
    free(g);
    return g && noise;
}
/* The rules that divide a gradient by its own size make whole steps of rounding: such a parameter may be anywhere that so many steps reach, and with it the running
   mean of what it was added to. Everything else is held to the tolerances. */
static void check_final(folder *f, const char *prefix, double rtol, double atol, double reach) {
    bool any = false;
    for (int64_t i = 0; reach > 0 && i < tg_dict_count(f->io); i++) {
        const char *name = tg_dict_name(f->io, i);
        if (strncmp(name, prefix, strlen(prefix)) == 0 && is_noise(f, name + strlen(prefix))) any = true;
    }
    for (int64_t i = 0; i < tg_dict_count(f->io); i++) {
        const char *name = tg_dict_name(f->io, i), *path = name + strlen(prefix);
        if (strncmp(name, prefix, strlen(prefix)) != 0) continue;
        bool moves = reach > 0 && (is_noise(f, path) || (any && strstr(path, "running_mean")));
        (void)check(f, name, tg_module_tensor_at(f->net, path), tg_dict_at(f->io, i), rtol, moves ? atol + reach : atol);
    }
}

static void check_steps(folder *f, const char *entry, const char *loss_text) {
    char tag[64], text[MAX_TEXT], what[160], prefix[160];
    int64_t count = (int64_t)number_in(entry, "count", 0), n = tg_parameters(f->net, NULL, 0);
    double rtol = number_in(entry, "rtol", 0), atol = number_in(entry, "atol", 0), most;
    tg_mark scope = tg_begin(f->tg);
    tg_optim *opt = NULL;
    tg_tensor *losses = tg_zeros(f->tg, TG_SHAPE(count)), **list = (tg_tensor **)calloc((size_t)n + 1, sizeof *list);
    if (!list) exit(2);
    (void)text_in(entry, "tag", tag, sizeof tag);
    (void)text_in(entry, "optimizer", text, sizeof text);
    most = clipping(text);
    (void)tg_parameters(f->net, list, n);
    if (reset(f)) opt = optimiser(f, text);
    if (!opt && !tg_failed(f->tg)) fails(f, tag, "this optimiser is not known: %s", text);
    tg_train(f->net, true);
    f->batch = json_field(entry, "batches");
    for (int64_t k = 0; opt && k < count && !tg_failed(f->tg); k++) {
        tg_mark step = tg_begin(f->tg);
        tg_tensor *loss;
        f->row = k;
        loss = loss_of(f, loss_text);
        tg_backward(loss);
        if (most > 0) (void)tg_clip_grad_norm_(list, (int)n, most);
        tg_step(opt);
        tg_set(losses, &k, tg_item(loss));
        tg_end(f->tg, step);
    }
    f->row = -1;
    (void)snprintf(what, sizeof what, "steps.%s.losses", tag);
    if (opt) (void)check(f, what, losses, tg_dict_get(f->io, what), rtol, atol);
    if (opt && prefix_of(entry, "final", prefix, sizeof prefix))
        check_final(f, prefix, rtol, atol, strncmp(text, "SGD", 3) == 0 ? 0 : 2 * tg_optim_lr(opt, 0) * (double)count);
    tg_optim_free(opt);
    free(list);
    tg_end(f->tg, scope);
}

/* ---- writing ---- */

static void check_generate(folder *f, const char *entry) {
    char name[128];
    tg_mark scope = tg_begin(f->tg);
    tg_tensor *prompt, *want, *got = NULL;
    bool was = tg_grad_mode(f->tg, false);
    (void)text_in(entry, "prompt", name, sizeof name);
    prompt = tg_dict_get(f->io, name);
    (void)text_in(entry, "ids", name, sizeof name);
    want = tg_dict_get(f->io, name);
    if (!f->of->generate || !prompt || !want) fails(f, "generate", "%s", f->of->generate ? "no prompt or no ids" : "this model writes nothing");
    else if (reset(f)) {
        tg_train(f->net, false);
        f->batch = NULL; f->row = -1; f->results = 0;
        got = f->of->generate(f, prompt, want->shape[want->ndim - 1] - prompt->shape[prompt->ndim - 1]);
        (void)check(f, name, got, want, 0, 0);
    }
    (void)tg_grad_mode(f->tg, was);
    tg_end(f->tg, scope);
}

/* All of it for one file of weights and one configuration. */
static void check_model(folder *f) {
    char loss_text[MAX_TEXT] = "", key[64];
    const char *p;
    int64_t n;
    f->hyper = f->config_text ? f->config_text : json_field(f->json, "hyper");
    if (!f->hyper) f->hyper = "{}";
    f->unsupported = false;
    f->net = f->of->make(f);
    if (!f->net || f->unsupported) {                /* what is not known has been told */
        if (!f->unsupported) fails(f, "the model", "%s", tg_failed(f->tg) ? tg_error_text(f->tg) : "cannot be made");
        tg_clear(f->tg);
        tg_module_free(f->net);
        f->net = NULL;
        return;
    }
    f->checks++;
    if (!reset(f)) {
        fails(f, "weights", "%s", tg_error_text(f->tg));
        tg_clear(f->tg);
        tg_module_free(f->net);
        f->net = NULL;
        return;
    }
    n = (int64_t)number_in(f->json, "parameters", (double)tg_parameter_count(f->net));
    if (n != tg_parameter_count(f->net)) fails(f, "parameters", "%lld numbers, want %lld", (long long)tg_parameter_count(f->net), (long long)n);
    check_outputs(f);
    for (p = json_first(f->json); p; p = json_next(p, 1)) {
        json_string(p, key, sizeof key);
        if (strncmp(key, "loss", 4) != 0 || *json_value(p) != '{') continue;
        (void)text_in(json_value(p), "kind", loss_text, sizeof loss_text);
        check_loss(f, json_value(p), key);
    }
    p = json_field(f->json, "loss");
    if (p) (void)text_in(p, "kind", loss_text, sizeof loss_text);
    for (p = json_field(f->json, "steps"), p = p ? json_first(p) : NULL; p; p = json_next(p, 0)) check_steps(f, p, loss_text);
    p = json_field(f->json, "generate");
    if (p && *p == '{') check_generate(f, p);
    if (tg_failed(f->tg)) { fails(f, "at the end", "%s", tg_error_text(f->tg)); tg_clear(f->tg); }
    tg_module_free(f->net);
    f->net = NULL;
}

/* The weights of a file of halves: each is what the whole weights are, rounded. */
static void check_halves(folder *f, const char *file, tg_dtype dtype) {
    tg_dict *d;
    if (!is_there(f, file)) return;
    (void)snprintf(f->label, sizeof f->label, "%s", file);
    d = tg_safetensors_load(f->tg, path_of(f, file));
    if (!d) { fails(f, "the file", "%s", tg_error_text(f->tg)); tg_clear(f->tg); return; }
    for (int64_t i = 0; i < tg_dict_count(d); i++) {
        tg_mark scope = tg_begin(f->tg);
        tg_tensor *t = tg_dict_at(d, i), *w = tg_dict_get(f->weights, tg_dict_name(d, i));
        if (!w) fails(f, tg_dict_name(d, i), "model.safetensors has no such tensor");
        else if (t->dtype != dtype && tg_dtype_is_float(t->dtype)) fails(f, tg_dict_name(d, i), "it is %s", tg_dtype_name(t->dtype));
        else (void)check(f, tg_dict_name(d, i), t, tg_dtype_is_float(w->dtype) ? tg_to(w, dtype) : w, 0, 0);
        tg_end(f->tg, scope);
    }
    tg_dict_free(d);
}
static void check_checkpoint(folder *f) {
    const char *file = "checkpoint_model.safetensors";
    tg_dict *d = is_there(f, file) ? tg_safetensors_load(f->tg, path_of(f, file)) : NULL;
    if (!is_there(f, file)) return;
    (void)snprintf(f->label, sizeof f->label, "%s", file);
    f->checks++;
    f->net = d ? f->of->make(f) : NULL;
    if (!d || !f->net || !tg_load_state_dict(f->net, d, NULL)) fails(f, "the file", "%s", tg_error_text(f->tg));
    tg_clear(f->tg);
    tg_module_free(f->net);
    f->net = NULL;
    tg_dict_free(d);
}

#include "models_of.h"

/* ---- folders ---- */

/* What this runner reads; all other weights are told. */
static void tell_skipped(folder *f) {
    static const char *const other[] = { ".pt", ".npz", ".onnx", ".gguf" };
    const char *p = json_field(f->json, "files");
    char name[256], text[1024] = "";
    for (p = p ? json_first(p) : NULL; p; p = json_next(p, 1)) {
        json_string(p, name, sizeof name);
        for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
            size_t n = strlen(text);
            if (strlen(name) > strlen(other[i]) && strcmp(name + strlen(name) - strlen(other[i]), other[i]) == 0) (void)snprintf(text + n, sizeof text - n, " %s", name);
        }
    }
    if (*text) printf("skipped in %s:%s\n", f->name, text);
}

static void load_config(folder *f, const char *file) {
    free(f->config_text);
    f->config_text = is_there(f, file) ? read_whole(path_of(f, file), NULL) : NULL;
    (void)snprintf(f->label, sizeof f->label, "model.safetensors%s%s", f->config_text ? ", " : "", f->config_text ? file : "");
}

static void quiet(void *user, tg_log_level level, const char *line) { (void)user; (void)level; (void)line; }

/* 1: passed, 0: skipped, -1: failed */
static int run_folder(const char *dir, bool verbose) {
    folder f;
    tg_config config;
    char arch[64] = "";
    size_t n = strlen(dir);
    memset(&f, 0, sizeof f); memset(&config, 0, sizeof config);
    while (n > 1 && dir[n - 1] == '/') n--;
    char *clean = (char *)malloc(n + 1);
    if (!clean) exit(2);
    memcpy(clean, dir, n); clean[n] = 0;
    f.dir = clean; f.name = strrchr(clean, '/') ? strrchr(clean, '/') + 1 : clean;
    f.verbose = verbose; f.row = -1;
    (void)snprintf(f.label, sizeof f.label, "model.json");
    f.json = read_whole(path_of(&f, "model.json"), NULL);
    if (f.json) (void)text_in(f.json, "arch", arch, sizeof arch);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) if (strcmp(kinds[i].arch, arch) == 0) f.of = &kinds[i];
    if (!f.json) { fails(&f, "the file", "cannot be read"); }
    else if (!f.of || !is_there(&f, "model.safetensors") || json_field(f.json, "onnx_only")) {
        printf("skipped: %s (%s)\n", f.name, f.of ? "no model.safetensors" : arch);
        free(f.json); free(clean);
        return 0;
    } else {
        config.hooks.log = quiet;
        f.tg = tg_open(&config);
        if (!f.tg) exit(2);
        f.io = tg_safetensors_load(f.tg, path_of(&f, "io.safetensors"));
        f.weights = f.io ? tg_safetensors_load(f.tg, path_of(&f, "model.safetensors")) : NULL;
        if (!f.weights) { fails(&f, "the files", "%s", tg_error_text(f.tg)); tg_clear(f.tg); }
        else {
            load_config(&f, "config_v4.json");
            if (f.config_text) check_model(&f);
            load_config(&f, "config.json");
            check_model(&f);
            check_halves(&f, "model_bf16.safetensors", TG_BF16);
            check_halves(&f, "model_f16.safetensors", TG_F16);
            check_checkpoint(&f);
            if (is_there(&f, "sharded/model.safetensors.index.json")) {
                (void)snprintf(f.label, sizeof f.label, "sharded");
                tg_dict_free(f.weights);
                f.weights = load_shards(&f);
                if (f.weights) check_model(&f); else { fails(&f, "the files", "%s", tg_error_text(f.tg)); tg_clear(f.tg); }
            }
            tell_skipped(&f);
        }
        tg_dict_free(f.io); tg_dict_free(f.weights);
        tg_close(f.tg);
    }
    if (verbose) printf("%s: %ld checks, %d failed\n", f.name, f.checks, f.failed);
    free(f.json); free(f.config_text); free(clean);
    return f.failed ? -1 : 1;
}

static int by_name(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* The folders with a model.json in a folder, by name; returns how many were run. */
static int run_all(const char *root, bool verbose, long count[3]) {
    DIR *d = opendir(root);
    struct dirent *e;
    char *names[1024];
    int n = 0;
    while (d && n < 1024 && (e = readdir(d)) != NULL) {
        size_t size = strlen(root) + strlen(e->d_name) + 16;
        char *path = (char *)malloc(size);
        FILE *json;
        if (!path) exit(2);
        (void)snprintf(path, size, "%s/%s/model.json", root, e->d_name);
        json = e->d_name[0] == '.' ? NULL : fopen(path, "rb");
        if (json) { (void)fclose(json); path[strlen(path) - strlen("/model.json")] = 0; names[n++] = path; } else free(path);
    }
    if (d) (void)closedir(d);
    if (n) qsort(names, (size_t)n, sizeof *names, by_name);
    for (int i = 0; i < n; i++) { count[run_folder(names[i], verbose) + 1]++; free(names[i]); }
    return n;
}

int main(int argc, char **argv) {
    bool verbose = false;
    int dirs = 0;
    long count[3] = { 0, 0, 0 };      /* failed, skipped, passed */
    for (int i = 1; i < argc; i++) if (strcmp(argv[i], "--verbose") == 0) verbose = true;
    for (int i = 1; i < argc; i++) {
        FILE *json;
        char path[2048];
        if (argv[i][0] == '-') continue;
        dirs++;
        (void)snprintf(path, sizeof path, "%s/model.json", argv[i]);
        json = fopen(path, "rb");
        if (json) (void)fclose(json);
        if (json || run_all(argv[i], verbose, count) == 0) count[run_folder(argv[i], verbose) + 1]++;
    }
    if (!dirs && run_all("../shared/models", verbose, count) == 0) { printf("skipped: no ../shared/models here\n"); count[1]++; }
    printf("models: %ld passed, %ld failed, %ld skipped\n", count[2], count[0], count[1]);
    return count[0] != 0;
}
