/* vgg.h - VGG with torchvision's names: 3x3 convolutions, with max pooling in between, and three full layers. */
#ifndef MODELS_VGG_H
#define MODELS_VGG_H

enum { VGG_ROOM = 64, VGG_POOL = -1 };
typedef struct vgg_config {
    int64_t cfg[VGG_ROOM]; int n_cfg;
        /* channels of each convolution, or VGG_POOL: VGG-11 begins with {64, VGG_POOL, 128, VGG_POOL} */
    bool batch_norm;
    int64_t channels, classes, hidden;       /* 3, 1000, 4096 */
    int64_t avgpool[2];                      /* {7, 7} */
    double dropout;                          /* 0.5 */
} vgg_config;

typedef struct vgg { tg_module m; tg_module *features, *avgpool, *classifier; } vgg;

/* x [N, 3, H, W] -> [N, classes] */
static tg_tensor *vgg_forward(tg_module *m, tg_tensor *x) {
    vgg *b = (vgg *)m;
    x = tg_forward(b->avgpool, tg_forward(b->features, x));            /* [N, C, 7, 7], whatever H and W are */
    return tg_forward(b->classifier, tg_flatten(x, 1, -1));
}

static tg_module *vgg_features(tg_ctx *tg, const vgg_config *c, int64_t *width) {
    tg_module *list = NULL;
    *width = c->channels;
    for (int i = 0; i < c->n_cfg; i++) {
        bool pools = c->cfg[i] == VGG_POOL;
        tg_module *layer = pools ? tg_nn_max_pool2d(tg, 2) : tg_nn_conv2d(tg, *width, c->cfg[i], 3, .padding = {1, 1});
        if (list) tg_nn_append(list, layer); else list = tg_nn_sequential(tg, layer);
        if (pools) continue;
        *width = c->cfg[i];
        if (c->batch_norm) tg_nn_append(list, tg_nn_batch_norm2d(tg, *width));
        tg_nn_append(list, tg_nn_relu(tg));
    }
    return list;
}

static tg_module *vgg_new(tg_ctx *tg, const vgg_config *c) {
    int64_t width;
    vgg *b = TG_MODULE(tg, vgg, vgg_forward);
    TG_PART(b, features, vgg_features(tg, c, &width));
    TG_PART(b, avgpool, tg_nn_adaptive_avg_pool2d(tg, 2, c->avgpool));
    TG_PART(b, classifier, tg_nn_sequential(tg,
        tg_nn_linear(tg, width * c->avgpool[0] * c->avgpool[1], c->hidden), tg_nn_relu(tg), tg_nn_dropout(tg, c->dropout),
        tg_nn_linear(tg, c->hidden, c->hidden), tg_nn_relu(tg), tg_nn_dropout(tg, c->dropout),
        tg_nn_linear(tg, c->hidden, c->classes)));
    return TG_MODULE_OF(b);
}

#endif
