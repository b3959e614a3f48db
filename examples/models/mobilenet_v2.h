/* mobilenet_v2.h - MobileNetV2 with torchvision's names: blocks that widen, filter each channel by itself, and narrow again. */
#ifndef MODELS_MOBILENET_V2_H
#define MODELS_MOBILENET_V2_H

enum { MOBILENET_STAGES = 16 };
typedef struct mobilenet_config {
    struct { int64_t expand, channels, repeat, stride; } stage[MOBILENET_STAGES]; int stages;   /* torchvision's columns t, c, n, s */
    int64_t channels, classes;       /* 3, 1000 */
    double width_mult;               /* 1: of all numbers of channels */
    int64_t round_nearest;           /* 8: which are rounded to multiples of this */
    double dropout;                  /* 0.2 */
} mobilenet_config;

/* The nearest multiple, but not less than nine tenths of what was asked for. */
static int64_t mobilenet_width(double channels, int64_t multiple) {
    int64_t y = (int64_t)(channels + (double)multiple / 2) / multiple * multiple;
    if (y < multiple) y = multiple;
    return (double)y < 0.9 * channels ? y + multiple : y;
}

static tg_module *mobilenet_conv(tg_ctx *tg, int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t groups) {
    return tg_nn_sequential(tg,
        tg_nn_conv2d(tg, in, out, kernel, .groups = groups, .no_bias = true, .padding = {kernel / 2, kernel / 2},
            .stride = {stride, stride}),
        tg_nn_batch_norm2d(tg, out), tg_nn_relu6(tg));
}

/* ---- inverted residual: x is added where the shapes are the same ---- */

typedef struct mobilenet_block { tg_module m; tg_module *conv; bool residual; } mobilenet_block;

static tg_tensor *mobilenet_block_forward(tg_module *m, tg_tensor *x) {
    mobilenet_block *b = (mobilenet_block *)m;
    tg_tensor *y = tg_forward(b->conv, x);
    return b->residual ? tg_add_(y, x) : y;
}

static tg_module *mobilenet_block_new(tg_ctx *tg, int64_t in, int64_t out, int64_t stride, int64_t expand) {
    int64_t wide = in * expand;
    tg_module *conv, *deep = mobilenet_conv(tg, wide, wide, 3, stride, wide);       /* depthwise: a group for each channel */
    mobilenet_block *b = TG_MODULE(tg, mobilenet_block, mobilenet_block_forward);
    if (b) b->residual = stride == 1 && in == out;
    if (expand == 1) conv = tg_nn_sequential(tg, deep);
    else conv = tg_nn_sequential(tg, mobilenet_conv(tg, in, wide, 1, 1, 1), deep);
    tg_nn_append(conv, tg_nn_conv2d(tg, wide, out, 1, .no_bias = true));
    tg_nn_append(conv, tg_nn_batch_norm2d(tg, out));
    TG_PART(b, conv, conv);
    return TG_MODULE_OF(b);
}

/* ---- the network ---- */

typedef struct mobilenet { tg_module m; tg_module *features, *classifier; } mobilenet;

/* x [N, 3, H, W] -> [N, classes] */
static tg_tensor *mobilenet_forward(tg_module *m, tg_tensor *x) {
    mobilenet *b = (mobilenet *)m;
    x = tg_forward(b->features, x);                                           /* [N, 1280, H / 32, W / 32] */
    return tg_forward(b->classifier, tg_mean_dims(x, TG_DIMS(2, 3), false));
}

static tg_module *mobilenet_new(tg_ctx *tg, const mobilenet_config *c) {
    double times = c->width_mult, most = times > 1 ? times : 1;
    int64_t width = mobilenet_width(32 * times, c->round_nearest), last = mobilenet_width(1280 * most, c->round_nearest);
    mobilenet *b = TG_MODULE(tg, mobilenet, mobilenet_forward);
    tg_module *features = tg_nn_sequential(tg, mobilenet_conv(tg, c->channels, width, 3, 2, 1));
    for (int i = 0; i < c->stages; i++) {
        int64_t out = mobilenet_width((double)c->stage[i].channels * times, c->round_nearest);
        for (int64_t k = 0; k < c->stage[i].repeat; k++) {
            tg_nn_append(features, mobilenet_block_new(tg, width, out, k == 0 ? c->stage[i].stride : 1, c->stage[i].expand));
            width = out;
        }
    }
    tg_nn_append(features, mobilenet_conv(tg, width, last, 1, 1, 1));
    TG_PART(b, features, features);
    TG_PART(b, classifier, tg_nn_sequential(tg, tg_nn_dropout(tg, c->dropout), tg_nn_linear(tg, last, c->classes)));
    return TG_MODULE_OF(b);
}

#endif
