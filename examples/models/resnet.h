/* resnet.h - ResNet of any depth, with torchvision's names: resnet18 has blocks of two convolutions, resnet50 bottlenecks of three. */
#ifndef MODELS_RESNET_H
#define MODELS_RESNET_H

enum { RESNET_STAGES = 8 };
typedef struct resnet_config {
    bool bottleneck;
    int64_t layers[RESNET_STAGES], planes[RESNET_STAGES]; int stages;    /* resnet18: {2, 2, 2, 2}, {64, 128, 256, 512}, 4 */
    int64_t channels, classes;       /* 3, 1000 */
    int64_t stem, stem_stride;       /* the first convolution's kernel and stride: 7, 2 */
    int64_t pool, pool_stride;       /* those of the max pooling behind it: 3, 2; zero: none, as for small pictures */
} resnet_config;

/* ---- a block: what two or three convolutions make of x is added to x ---- */

typedef struct resnet_block { tg_module m; tg_module *conv1, *bn1, *conv2, *bn2, *conv3, *bn3, *downsample; } resnet_block;

/* x [N, C, H, W] -> [N, planes (bottleneck: * 4), H / stride, W / stride] */
static tg_tensor *resnet_block_forward(tg_module *m, tg_tensor *x) {
    resnet_block *b = (resnet_block *)m;
    tg_tensor *y = tg_relu(tg_forward(b->bn1, tg_forward(b->conv1, x)));
    y = tg_forward(b->bn2, tg_forward(b->conv2, y));
    if (b->conv3) y = tg_forward(b->bn3, tg_forward(b->conv3, tg_relu(y)));
    return tg_relu_(tg_add_(y, b->downsample ? tg_forward(b->downsample, x) : x));   /* in place: y is nobody else's */
}

static tg_module *resnet_conv(tg_ctx *tg, int64_t in, int64_t out, int64_t kernel, int64_t stride) {
    return tg_nn_conv2d(tg, in, out, kernel, .no_bias = true, .padding = {kernel / 2, kernel / 2}, .stride = {stride, stride});
}

static tg_module *resnet_block_new(tg_ctx *tg, bool bottleneck, int64_t in, int64_t planes, int64_t stride) {
    int64_t out = bottleneck ? planes * 4 : planes;
    resnet_block *b = TG_MODULE(tg, resnet_block, resnet_block_forward);
    TG_PART(b, conv1, bottleneck ? resnet_conv(tg, in, planes, 1, 1) : resnet_conv(tg, in, planes, 3, stride));
    TG_PART(b, bn1, tg_nn_batch_norm2d(tg, planes));
    TG_PART(b, conv2, resnet_conv(tg, planes, planes, 3, bottleneck ? stride : 1));
    TG_PART(b, bn2, tg_nn_batch_norm2d(tg, planes));
    if (bottleneck) {
        TG_PART(b, conv3, resnet_conv(tg, planes, out, 1, 1));
        TG_PART(b, bn3, tg_nn_batch_norm2d(tg, out));
    }
    if (stride != 1 || in != out) {                    /* x in the shape of the result */
        TG_PART(b, downsample, tg_nn_sequential(tg, resnet_conv(tg, in, out, 1, stride), tg_nn_batch_norm2d(tg, out)));
    }
    return TG_MODULE_OF(b);
}

/* ---- the network ---- */

typedef struct resnet { tg_module m; tg_module *conv1, *bn1, *maxpool, *layer[RESNET_STAGES], *fc; } resnet;

/* x [N, 3, H, W] -> [N, classes] */
static tg_tensor *resnet_forward(tg_module *m, tg_tensor *x) {
    resnet *b = (resnet *)m;
    x = tg_relu(tg_forward(b->bn1, tg_forward(b->conv1, x)));                  /* [N, planes[0], H / 2, W / 2] */
    if (b->maxpool) x = tg_forward(b->maxpool, x);                             /* [N, planes[0], H / 4, W / 4] */
    for (int i = 0; i < RESNET_STAGES && b->layer[i]; i++) x = tg_forward(b->layer[i], x);   /* halves H and W but for the first */
    return tg_forward(b->fc, tg_mean_dims(x, TG_DIMS(2, 3), false));           /* the mean over the picture */
}

static tg_module *resnet_new(tg_ctx *tg, const resnet_config *c) {
    static const char *const names[RESNET_STAGES] = { "layer1", "layer2", "layer3", "layer4", "layer5", "layer6", "layer7", "layer8" };
    int64_t width = c->planes[0];
    resnet *b = TG_MODULE(tg, resnet, resnet_forward);
    if (!b) return NULL;
    TG_PART(b, conv1, resnet_conv(tg, c->channels, width, c->stem, c->stem_stride));
    TG_PART(b, bn1, tg_nn_batch_norm2d(tg, width));
    if (c->pool) {
        int64_t pad = (c->pool - 1) / 2;
        TG_PART(b, maxpool, tg_nn_max_pool2d(tg, c->pool, .padding = {pad, pad}, .stride = {c->pool_stride, c->pool_stride}));
    }
    for (int i = 0; i < c->stages; i++) {
        tg_module *stage = NULL;
        for (int64_t k = 0; k < c->layers[i]; k++) {
            tg_module *block = resnet_block_new(tg, c->bottleneck, width, c->planes[i], i > 0 && k == 0 ? 2 : 1);
            if (stage) tg_nn_append(stage, block); else stage = tg_nn_sequential(tg, block);
            width = c->bottleneck ? c->planes[i] * 4 : c->planes[i];
        }
        tg_module_part(&b->m, &b->layer[i], names[i], -1, stage);
    }
    TG_PART(b, fc, tg_nn_linear(tg, width, c->classes));
    return TG_MODULE_OF(b);
}

#endif
