/* mlp.h - layers of neurons one behind the other: Linear, [BatchNorm1d], activation, ..., Linear. */
#ifndef MODELS_MLP_H
#define MODELS_MLP_H

#include "activations.h"

enum { MLP_SIZES = 32 };
typedef struct mlp_config {
    int64_t sizes[MLP_SIZES]; int n_sizes;      /* of what goes in, of each hidden layer, of what comes out */
    activation act;
    bool batch_norm;
} mlp_config;

typedef struct mlp { tg_module m; tg_module *net; } mlp;

/* x [N, sizes[0]] -> [N, the last of sizes] */
static tg_tensor *mlp_forward(tg_module *m, tg_tensor *x) { return tg_forward(((mlp *)m)->net, x); }

static tg_module *mlp_new(tg_ctx *tg, const mlp_config *c) {
    mlp *b = TG_MODULE(tg, mlp, mlp_forward);
    tg_module *net = tg_nn_sequential(tg, tg_nn_linear(tg, c->sizes[0], c->sizes[1]));
    for (int i = 1; i + 1 < c->n_sizes; i++) {
        if (c->batch_norm) tg_nn_append(net, tg_nn_batch_norm1d(tg, c->sizes[i]));
        tg_nn_append(net, activation_new(tg, c->act));
        tg_nn_append(net, tg_nn_linear(tg, c->sizes[i], c->sizes[i + 1]));
    }
    TG_PART(b, net, net);
    return TG_MODULE_OF(b);
}

#endif
