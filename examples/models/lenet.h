/* lenet.h - LeNet-5: two convolutions, each followed by a pooling, and three full layers. */
#ifndef MODELS_LENET_H
#define MODELS_LENET_H

#include "activations.h"

typedef struct lenet_config {
    int64_t channels, side;          /* of the pictures: 1, 28 */
    int64_t c1, c2, classes;         /* 6, 16, 10 */
    activation act;
    bool average;                    /* average pooling, as LeCun had it; else the largest */
} lenet_config;

typedef struct lenet { tg_module m; tg_module *features, *classifier; } lenet;

/* x [N, channels, side, side] -> [N, classes] */
static tg_tensor *lenet_forward(tg_module *m, tg_tensor *x) {
    lenet *b = (lenet *)m;
    return tg_forward(b->classifier, tg_flatten(tg_forward(b->features, x), 1, -1));
}

static tg_module *lenet_pool(tg_ctx *tg, const lenet_config *c) {
    return c->average ? tg_nn_avg_pool2d(tg, 2) : tg_nn_max_pool2d(tg, 2);
}

static tg_module *lenet_new(tg_ctx *tg, const lenet_config *c) {
    int64_t side = (c->side / 2 - 4) / 2;                                                  /* 5 */
    lenet *b = TG_MODULE(tg, lenet, lenet_forward);
    TG_PART(b, features, tg_nn_sequential(tg,
        tg_nn_conv2d(tg, c->channels, c->c1, 5, .padding = {2, 2}), activation_new(tg, c->act),   /* [N, 6, 28, 28] */
        lenet_pool(tg, c),                                                                 /* [N, 6, 14, 14]  */
        tg_nn_conv2d(tg, c->c1, c->c2, 5), activation_new(tg, c->act),                     /* [N, 16, 10, 10] */
        lenet_pool(tg, c)));                                                               /* [N, 16, 5, 5]   */
    TG_PART(b, classifier, tg_nn_sequential(tg,
        tg_nn_linear(tg, c->c2 * side * side, 120), activation_new(tg, c->act),
        tg_nn_linear(tg, 120, 84), activation_new(tg, c->act),
        tg_nn_linear(tg, 84, c->classes)));
    return TG_MODULE_OF(b);
}

#endif
