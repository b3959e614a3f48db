/* dcgan.h - a generator draws pictures from noise, a discriminator tells them from real ones; each learns from the other. */
#ifndef MODELS_DCGAN_H
#define MODELS_DCGAN_H

#include "decode.h"

typedef struct dcgan_config {
    int64_t nz, features, channels;      /* numbers of noise, channels of the largest layer's pictures, of the pictures: 100, 64, 3 */
    int64_t image;                       /* side of the pictures, 4 * 2^n: 64 */
} dcgan_config;

/* ---- either is a list of layers under the name main ---- */

typedef struct dcgan_net { tg_module m; tg_module *main; } dcgan_net;

static tg_tensor *dcgan_net_forward(tg_module *m, tg_tensor *x) { return tg_forward(((dcgan_net *)m)->main, x); }

static tg_module *dcgan_up(tg_ctx *tg, int64_t in, int64_t out, bool first) {       /* 1 -> 4, then each doubles */
    int64_t step = first ? 1 : 2, pad = first ? 0 : 1;
    return tg_nn_conv_transpose2d(tg, in, out, 4, .no_bias = true, .padding = {pad, pad}, .stride = {step, step});
}
static tg_module *dcgan_down(tg_ctx *tg, int64_t in, int64_t out, bool last) {      /* each halves, then 4 -> 1 */
    int64_t step = last ? 1 : 2, pad = last ? 0 : 1;
    return tg_nn_conv2d(tg, in, out, 4, .no_bias = true, .padding = {pad, pad}, .stride = {step, step});
}

/* z [N, nz, 1, 1] -> pictures in -1 .. 1, [N, channels, image, image] */
static tg_module *dcgan_generator_new(tg_ctx *tg, const dcgan_config *c) {
    int64_t width = c->features * c->image / 8;                                     /* halves as the picture doubles */
    dcgan_net *b = TG_MODULE(tg, dcgan_net, dcgan_net_forward);
    tg_module *list = tg_nn_sequential(tg, dcgan_up(tg, c->nz, width, true));
    for (; width >= c->features; width /= 2) {
        tg_nn_append(list, tg_nn_batch_norm2d(tg, width));
        tg_nn_append(list, tg_nn_relu(tg));
        tg_nn_append(list, dcgan_up(tg, width, width > c->features ? width / 2 : c->channels, false));
    }
    tg_nn_append(list, tg_nn_tanh(tg));
    TG_PART(b, main, list);
    return TG_MODULE_OF(b);
}

/* x [N, channels, image, image] -> the probability that it is real, [N, 1, 1, 1] */
static tg_module *dcgan_discriminator_new(tg_ctx *tg, const dcgan_config *c) {
    int64_t width = c->features, side = c->image / 2;
    dcgan_net *b = TG_MODULE(tg, dcgan_net, dcgan_net_forward);
    tg_module *list = tg_nn_sequential(tg, dcgan_down(tg, c->channels, width, false));
    tg_nn_append(list, tg_nn_leaky_relu(tg, 0.2));
    for (; side > 4; side /= 2, width *= 2) {
        tg_nn_append(list, dcgan_down(tg, width, 2 * width, false));
        tg_nn_append(list, tg_nn_batch_norm2d(tg, 2 * width));
        tg_nn_append(list, tg_nn_leaky_relu(tg, 0.2));
    }
    tg_nn_append(list, dcgan_down(tg, width, 1, true));
    tg_nn_append(list, tg_nn_sigmoid(tg));
    TG_PART(b, main, list);
    return TG_MODULE_OF(b);
}

/* ---- both, and what each learns from ---- */

typedef struct dcgan { tg_module m; tg_module *generator, *discriminator; } dcgan;

static tg_module *dcgan_new(tg_ctx *tg, const dcgan_config *c) {
    dcgan *b = TG_MODULE(tg, dcgan, NULL);
    TG_PART(b, generator, dcgan_generator_new(tg, c));
    TG_PART(b, discriminator, dcgan_discriminator_new(tg, c));
    if (b) draw_weights(&b->m, 0.02);
    return TG_MODULE_OF(b);
}

/* z [N, nz, 1, 1] -> pictures; pictures -> how real they look, [N] */
static tg_tensor *dcgan_fake(tg_module *m, tg_tensor *z) { return m ? tg_forward(((dcgan *)m)->generator, z) : NULL; }
static tg_tensor *dcgan_score(tg_module *m, tg_tensor *x) {
    return m ? tg_flatten(tg_forward(((dcgan *)m)->discriminator, x), 0, -1) : NULL;
}

/* The discriminator is to call real what is real, and to find out what is not; the generator is left as it is. */
static inline tg_tensor *dcgan_loss_d(tg_module *m, tg_tensor *x, tg_tensor *z) {
    tg_tensor *real = dcgan_score(m, x), *fake = dcgan_score(m, tg_detach(dcgan_fake(m, z)));
    return tg_add(tg_binary_cross_entropy(real, tg_ones_like(real)), tg_binary_cross_entropy(fake, tg_zeros_like(fake)));
}
/* The generator is to be taken for real. */
static inline tg_tensor *dcgan_loss_g(tg_module *m, tg_tensor *z) {
    tg_tensor *fake = dcgan_score(m, dcgan_fake(m, z));
    return tg_binary_cross_entropy(fake, tg_ones_like(fake));
}

#endif
