/* activations.h - activations by the names that configurations give them, as functions and as modules.
   The files of this folder are to be copied, beside tensorgrad.h, which comes before them. */
#ifndef MODELS_ACTIVATIONS_H
#define MODELS_ACTIVATIONS_H

#include <string.h>

typedef tg_tensor *(*activation)(tg_tensor *x);

static tg_tensor *quick_gelu(tg_tensor *x)  { return tg_mul(x, tg_sigmoid(tg_mul_scalar(x, 1.702))); }
static tg_tensor *leaky_relu(tg_tensor *x)  { return tg_leaky_relu(x, 0.01); }
static tg_tensor *elu(tg_tensor *x)         { return tg_elu(x, 1); }
static tg_tensor *softplus(tg_tensor *x)    { return tg_softplus(x, 1, 20); }
static tg_tensor *no_activation(tg_tensor *x) { return x; }

/* NULL where no activation has that name. Of several names for one function all are Hugging Face's. */
static inline activation activation_named(const char *name) {
    static const struct { const char *name; activation f; } table[] = {
        { "relu", tg_relu }, { "relu6", tg_relu6 }, { "leaky_relu", leaky_relu }, { "elu", elu }, { "selu", tg_selu },
        { "gelu", tg_gelu }, { "gelu_python", tg_gelu }, { "gelu_new", tg_gelu_tanh }, { "gelu_fast", tg_gelu_tanh },
        { "gelu_tanh", tg_gelu_tanh }, { "gelu_pytorch_tanh", tg_gelu_tanh }, { "quick_gelu", quick_gelu },
        { "silu", tg_silu }, { "swish", tg_silu }, { "mish", tg_mish }, { "hardswish", tg_hardswish },
        { "sigmoid", tg_sigmoid }, { "tanh", tg_tanh }, { "softplus", softplus }, { "identity", no_activation },
        { "linear", no_activation },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) if (strcmp(table[i].name, name) == 0) return table[i].f;
    return NULL;
}

/* As a part of a tg_nn_sequential. */
typedef struct activation_layer { tg_module m; activation f; } activation_layer;
static tg_tensor *activation_forward(tg_module *m, tg_tensor *x) { return ((activation_layer *)m)->f(x); }
static inline tg_module *activation_new(tg_ctx *tg, activation f) {
    activation_layer *b = TG_MODULE(tg, activation_layer, activation_forward);
    if (b) b->f = f;
    return TG_MODULE_OF(b);
}

#endif
