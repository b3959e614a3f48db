/* unet_ddpm.h - a diffusion model: a network tells the noise in a picture, and what begins as noise alone becomes a picture by
   taking it away step by step. */
#ifndef MODELS_UNET_DDPM_H
#define MODELS_UNET_DDPM_H

#include <math.h>

enum { UNET_LEVELS = 8 };
typedef struct unet_config {
    int64_t in_channels, channels, groups, heads;
    int64_t mult[UNET_LEVELS]; int levels;       /* channels of each level, times `channels`; each has half the side of the one before */
} unet_config;

static tg_module *unet_conv(tg_ctx *tg, int64_t in, int64_t out, int64_t stride) {
    return tg_nn_conv2d(tg, in, out, 3, .padding = {1, 1}, .stride = {stride, stride});
}

/* ---- two convolutions that are told the time, added to x ---- */

typedef struct unet_block { tg_module m; tg_module *norm1, *conv1, *time, *norm2, *conv2, *skip; } unet_block;

/* x [N, in, H, W], time [N, 4 channels] -> [N, out, H, W] */
static tg_tensor *unet_block_run(tg_module *m, tg_tensor *x, tg_tensor *time) {
    unet_block *b = (unet_block *)m;
    if (!m) return NULL;
    size_t path = tg_module_enter(m);
    tg_tensor *y = tg_forward(b->conv1, tg_silu(tg_forward(b->norm1, x)));
    y = tg_add(y, tg_unsqueeze(tg_unsqueeze(tg_forward(b->time, tg_silu(time)), -1), -1));     /* [N, out, 1, 1] */
    y = tg_forward(b->conv2, tg_silu(tg_forward(b->norm2, y)));
    return tg_module_leave(m, path, tg_add(y, b->skip ? tg_forward(b->skip, x) : x));
}

static tg_module *unet_block_new(tg_ctx *tg, const unet_config *c, int64_t in, int64_t out) {
    unet_block *b = TG_MODULE(tg, unet_block, NULL);
    TG_PART(b, norm1, tg_nn_group_norm(tg, c->groups, in));
    TG_PART(b, conv1, unet_conv(tg, in, out, 1));
    TG_PART(b, time, tg_nn_linear(tg, 4 * c->channels, out));
    TG_PART(b, norm2, tg_nn_group_norm(tg, c->groups, out));
    TG_PART(b, conv2, unet_conv(tg, out, out, 1));
    if (in != out) TG_PART(b, skip, tg_nn_conv2d(tg, in, out, 1));
    return TG_MODULE_OF(b);
}

/* ---- attention of all places of a picture to each other, added to x ---- */

typedef struct unet_attention { tg_module m; tg_module *norm, *qkv, *proj; int64_t heads; } unet_attention;

/* x [N, C, H, W] -> same */
static tg_tensor *unet_attention_forward(tg_module *m, tg_tensor *x) {
    unet_attention *b = (unet_attention *)m;
    tg_tensor *qkv[3];
    tg_tensor *y = tg_flatten(tg_forward(b->qkv, tg_forward(b->norm, x)), 2, 3);                /* [N, 3 C, H W] */
    y = tg_transpose(tg_unflatten(y, 1, TG_SHAPE(3, b->heads, -1)), 3, 4);                     /* [N, 3, heads, H W, D] */
    tg_unbind(y, 1, qkv, 3);
    y = tg_transpose(tg_scaled_dot_product_attention(qkv[0], qkv[1], qkv[2]), 2, 3);           /* [N, heads, D, H W] */
    return tg_add(x, tg_forward(b->proj, tg_reshape_as(y, x)));
}

static tg_module *unet_attention_new(tg_ctx *tg, const unet_config *c, int64_t width) {
    unet_attention *b = TG_MODULE(tg, unet_attention, unet_attention_forward);
    if (b) b->heads = c->heads;
    TG_PART(b, norm, tg_nn_group_norm(tg, c->groups, width));
    TG_PART(b, qkv, tg_nn_conv2d(tg, width, 3 * width, 1));
    TG_PART(b, proj, tg_nn_conv2d(tg, width, width, 1));
    return TG_MODULE_OF(b);
}

/* ---- the network ---- */

typedef struct unet {
    tg_module m;
    tg_module *time_mlp, *conv_in, *down, *downsample, *mid1, *attn, *mid2, *up, *upsample, *norm_out, *conv_out;
    unet_config c;
} unet;

/* steps [N] -> [N, width]: sines and cosines of frequencies from 1 down to nearly 1 / 10000 */
static tg_tensor *unet_time(tg_tensor *steps, int64_t width) {
    if (!steps) return NULL;
    int64_t half = width / 2;
    tg_tensor *frequency = tg_exp(tg_mul_scalar(tg_arange(steps->tg, 0, (double)half, 1, TG_F32), -log(10000.0) / (double)half));
    tg_tensor *angle = tg_outer(tg_to(steps, TG_F32), tg_to_device(frequency, steps->device));
    tg_tensor *both[] = { tg_sin(angle), tg_cos(angle) };
    return tg_cat(both, 2, 1);
}

/* x [N, in_channels, H, W], steps i64 [N] -> the noise in x, of its shape */
static tg_tensor *unet_noise(tg_module *m, tg_tensor *x, tg_tensor *steps) {
    unet *b = (unet *)m;
    if (!m) return NULL;
    int last = b->c.levels - 1;
    tg_tensor *time = tg_forward(b->time_mlp, unet_time(steps, b->c.channels)), *seen[UNET_LEVELS];
    x = tg_forward(b->conv_in, x);
    for (int i = 0; i <= last; i++) {
        x = seen[i] = unet_block_run(tg_module_part_of(b->down, i), x, time);
        if (i < last) x = tg_forward(tg_module_part_of(b->downsample, i), x);
    }
    x = unet_block_run(b->mid1, x, time);
    x = tg_forward(b->attn, x);
    x = unet_block_run(b->mid2, x, time);
    for (int i = 0; i <= last; i++) {
        tg_tensor *both[] = { x, seen[last - i] };
        x = unet_block_run(tg_module_part_of(b->up, i), tg_cat(both, 2, 1), time);
        if (i < last) x = tg_forward(tg_module_part_of(b->upsample, i), tg_interpolate(x, .scale_factor = {2, 2}));
    }
    return tg_forward(b->conv_out, tg_silu(tg_forward(b->norm_out, x)));
}

static tg_module *unet_new(tg_ctx *tg, const unet_config *c) {
    unet *b = TG_MODULE(tg, unet, NULL);
    tg_module *down = tg_nn_list(tg), *downsample = tg_nn_list(tg), *up = tg_nn_list(tg), *upsample = tg_nn_list(tg);
    int64_t width = c->channels;
    if (!b) return NULL;
    b->c = *c;
    for (int i = 0; i < c->levels; i++) {
        tg_nn_append(down, unet_block_new(tg, c, width, c->channels * c->mult[i]));
        width = c->channels * c->mult[i];
        if (i + 1 < c->levels) tg_nn_append(downsample, unet_conv(tg, width, width, 2));
    }
    TG_PART(b, mid1, unet_block_new(tg, c, width, width));
    TG_PART(b, attn, unet_attention_new(tg, c, width));
    TG_PART(b, mid2, unet_block_new(tg, c, width, width));
    for (int i = c->levels - 1; i >= 0; i--) {
        int64_t out = c->channels * c->mult[i];                            /* as many as come from the side */
        tg_nn_append(up, unet_block_new(tg, c, width + out, out));
        width = out;
        if (i > 0) tg_nn_append(upsample, unet_conv(tg, width, width, 1));
    }
    TG_PART(b, time_mlp, tg_nn_sequential(tg, tg_nn_linear(tg, c->channels, 4 * c->channels), tg_nn_silu(tg),
                                          tg_nn_linear(tg, 4 * c->channels, 4 * c->channels)));
    TG_PART(b, conv_in, unet_conv(tg, c->in_channels, c->channels, 1));
    TG_PART(b, down, down);
    TG_PART(b, downsample, downsample);
    TG_PART(b, up, up);
    TG_PART(b, upsample, upsample);
    TG_PART(b, norm_out, tg_nn_group_norm(tg, c->groups, width));
    TG_PART(b, conv_out, unet_conv(tg, width, c->in_channels, 1));
    return TG_MODULE_OF(b);
}

/* ---- drawing ---- */

/* From noise x [N, in_channels, H, W] to pictures, in as many steps as there are betas: how much noise each step of the way there
   adds. noise: [steps, N, ...], or NULL: it is drawn. */
static inline tg_tensor *unet_sample(tg_module *m, tg_tensor *x, const double *betas, int steps, tg_tensor *noise) {
    if (!m || !x) return NULL;
    tg_ctx *tg = m->tg;
    bool was = tg_grad_mode(tg, false);
    double kept = 1;                                                       /* of the picture, behind all steps up to i */
    for (int i = 0; i < steps; i++) kept *= 1 - betas[i];
    for (int i = steps - 1; x && i >= 0; i--) {
        tg_mark scope = tg_begin(tg);
        tg_tensor *eps = unet_noise(m, x, tg_to_device(tg_full(tg, TG_SHAPE(x->shape[0]), i, TG_I64), x->device)), *y;
        y = tg_div_scalar(tg_sub(x, tg_mul_scalar(eps, betas[i] / sqrt(1 - kept))), sqrt(1 - betas[i]));
        if (i > 0) y = tg_add(y, tg_mul_scalar(noise ? tg_select(noise, 0, i) : tg_randn_like(x), sqrt(betas[i])));
        x = tg_end_with(tg, scope, y);
        kept /= 1 - betas[i];
    }
    tg_grad_mode(tg, was);
    return x;
}

#endif
