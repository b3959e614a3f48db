/* Every model of examples/models as small as it goes, with a loss of a step of training on operands that it draws from the context's random numbers. `s` makes widths
   and batches larger: 1 for what is tried at each allocation, more where work is to fall into pieces. tests/test_oplist.sh looks that no model is missing. */
#ifndef SMALL_MODELS_H
#define SMALL_MODELS_H
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

static tg_device small_where = TG_CPU;                                                          /* where operands go; the model is moved by who asks */
static tg_tensor *placed(tg_tensor *x) { return x ? tg_to_device(x, small_where) : NULL; }
static tg_tensor *drawn(tg_module *m, int64_t below, int64_t n, int64_t t) {                    /* whole numbers [n, t]; t 0: [n] */
    return placed(!m ? NULL : t ? tg_randint(m->tg, 0, below, TG_SHAPE(n, t)) : tg_randint(m->tg, 0, below, TG_SHAPE(n)));
}
static tg_tensor *pictures(tg_module *m, int64_t n, int64_t channels, int64_t side) { return placed(m ? tg_randn(m->tg, TG_SHAPE(n, channels, side, side)) : NULL); }
/* of logits [N, C] or [N, T, C] and drawn classes */
static tg_tensor *loss_of_logits(tg_module *m, tg_tensor *logits) {
    int64_t classes = logits ? logits->shape[logits->ndim - 1] : 1;
    logits = tg_reshape(logits, TG_SHAPE(-1, classes));
    return tg_cross_entropy(logits, logits ? drawn(m, classes, logits->shape[0], 0) : NULL);
}

static tg_module *small_mlp(tg_ctx *tg, int64_t s) {
    mlp_config c;
    memset(&c, 0, sizeof c);
    c.sizes[0] = 4 * s * s; c.sizes[1] = 6 * s * s * s; c.sizes[2] = 3; c.n_sizes = 3; c.act = tg_tanh; c.batch_norm = true;
    return mlp_new(tg, &c);
}
static tg_tensor *loss_mlp(tg_module *m, int64_t s) { return loss_of_logits(m, tg_forward(m, placed(m ? tg_randn(m->tg, TG_SHAPE(5 * s * s, 4 * s * s)) : NULL))); }

static tg_module *small_lenet(tg_ctx *tg, int64_t s) {
    lenet_config c;
    memset(&c, 0, sizeof c);
    c.channels = 1; c.side = 16; c.c1 = 2 * s; c.c2 = 3 * s; c.classes = 4; c.act = tg_relu;
    return lenet_new(tg, &c);
}
static tg_tensor *loss_lenet(tg_module *m, int64_t s) { return loss_of_logits(m, tg_forward(m, pictures(m, 2 * s, 1, 16))); }

static tg_module *small_vgg(tg_ctx *tg, int64_t s) {
    vgg_config c;
    memset(&c, 0, sizeof c);
    c.cfg[0] = 2 * s * s; c.cfg[1] = VGG_POOL; c.cfg[2] = 3 * s * s; c.cfg[3] = VGG_POOL; c.n_cfg = 4; c.batch_norm = true;
    c.channels = 3; c.classes = 4; c.hidden = 5 * s; c.avgpool[0] = c.avgpool[1] = 2; c.dropout = 0.5;
    return vgg_new(tg, &c);
}
static tg_tensor *loss_vgg(tg_module *m, int64_t s) { return loss_of_logits(m, tg_forward(m, pictures(m, 2 * s, 3, 8))); }

static tg_module *small_resnet(tg_ctx *tg, int64_t s) {
    resnet_config c;
    memset(&c, 0, sizeof c);
    c.bottleneck = s > 1; c.layers[0] = c.layers[1] = 1; c.planes[0] = 2 * s; c.planes[1] = 3 * s; c.stages = 2; c.channels = 3; c.classes = 4; c.stem = 3; c.stem_stride = 1;
    c.pool = 3; c.pool_stride = 2;
    return resnet_new(tg, &c);
}
static tg_tensor *loss_resnet(tg_module *m, int64_t s) { return loss_of_logits(m, tg_forward(m, pictures(m, 2 * s, 3, 8))); }

static tg_module *small_mobilenet(tg_ctx *tg, int64_t s) {
    mobilenet_config c;
    memset(&c, 0, sizeof c);
    c.stage[0].expand = 1; c.stage[0].channels = 4; c.stage[0].repeat = 1; c.stage[0].stride = 1;
    c.stage[1].expand = 2; c.stage[1].channels = 4; c.stage[1].repeat = 2; c.stage[1].stride = 2; c.stages = 2;
    c.channels = 3; c.classes = 4; c.width_mult = (double)s / 32; c.round_nearest = 2; c.dropout = 0.2;
    return mobilenet_new(tg, &c);
}
static tg_tensor *loss_mobilenet(tg_module *m, int64_t s) { return loss_of_logits(m, tg_forward(m, pictures(m, 2 * s, 3, 12))); }

static tg_module *small_gpt2(tg_ctx *tg, int64_t s) {
    gpt2_config c;
    memset(&c, 0, sizeof c);
    c.vocab = 19; c.positions = 32; c.width = 12 * s; c.layers = 2; c.heads = 3; c.inner = 20 * s; c.act = tg_gelu_tanh; c.eps = 1e-5; c.untied = true;
    return gpt2_new(tg, &c);
}
static tg_tensor *loss_gpt2(tg_module *m, int64_t s) { return loss_of_logits(m, gpt2_logits(m, drawn(m, 19, s, 2 + 3 * s), NULL, NULL)); }

static tg_module *small_llama(tg_ctx *tg, int64_t s) {
    llama_config c;
    memset(&c, 0, sizeof c);
    c.vocab = 19; c.width = 12 * s; c.inner = 20 * s; c.layers = 2; c.heads = 4; c.kv_heads = 2; c.head_dim = 6; c.act = tg_silu; c.eps = 1e-5; c.theta = 10000; c.tied = true;
    return llama_new(tg, &c);
}
static tg_tensor *loss_llama(tg_module *m, int64_t s) { return loss_of_logits(m, llama_logits(m, drawn(m, 19, s, 2 + 3 * s), NULL, NULL)); }

static tg_module *small_bert(tg_ctx *tg, int64_t s) {
    bert_config c;
    memset(&c, 0, sizeof c);
    c.vocab = 11; c.positions = 32; c.types = 2; c.width = 8 * s; c.layers = 1; c.heads = 2; c.inner = 6 * s; c.labels = 3; c.act = tg_gelu; c.eps = 1e-12; c.dropout = 0.1;
    return bert_new(tg, &c);
}
static tg_tensor *loss_bert(tg_module *m, int64_t s) {
    tg_tensor *hidden = NULL, *pooled = NULL, *ids = drawn(m, 11, 2 * s, 3 * s), *mask = tg_ones_like(ids), *logits;
    logits = bert_logits(m, ids, mask, drawn(m, 2, 2 * s, 3 * s), &hidden, &pooled);
    return tg_add(loss_of_logits(m, logits), tg_mean(tg_square(pooled)));
}

static tg_module *small_vit(tg_ctx *tg, int64_t s) {
    vit_config c;
    memset(&c, 0, sizeof c);
    c.image[0] = c.image[1] = 8; c.patch[0] = c.patch[1] = 4; c.channels = 1; c.width = 8 * s; c.layers = 1; c.heads = 2; c.inner = 6 * s; c.labels = 3; c.act = tg_gelu; c.eps = 1e-12;
    return vit_new(tg, &c);
}
static tg_tensor *loss_vit(tg_module *m, int64_t s) { return loss_of_logits(m, tg_forward(m, pictures(m, 2 * s, 1, 8))); }

static tg_module *small_rnn_lm(tg_ctx *tg, int64_t s) {
    rnn_lm_config c;
    memset(&c, 0, sizeof c);
    c.kind = s > 1 ? RNN_LM_GRU : RNN_LM_LSTM; c.vocab = c.outputs = 7; c.embedding = 3 * s; c.hidden = 4 * s * s; c.layers = 2;
    return rnn_lm_new(tg, &c);
}
static tg_tensor *loss_rnn_lm(tg_module *m, int64_t s) { return loss_of_logits(m, rnn_lm_logits(m, drawn(m, 7, 2 * s, 3 * s), NULL)); }

static tg_module *small_recommender(tg_ctx *tg, int64_t s) {
    recommender_config c;
    c.users = 5 * s; c.items = 7 * s; c.dim = 3 * s * s; c.hidden = 4 * s * s;
    return recommender_new(tg, &c);
}
static tg_tensor *loss_recommender(tg_module *m, int64_t s) {
    tg_tensor *offsets = placed(m ? tg_arange(m->tg, 0, (double)(3 * s * s), 1, TG_I64) : NULL);
    tg_tensor *score = recommender_scores(m, drawn(m, 5 * s, 3 * s * s, 0), drawn(m, 7 * s, 3 * s * s, 0), drawn(m, 7 * s, 3 * s * s + 2, 0), offsets);
    return tg_binary_cross_entropy_with_logits(score, tg_ones_like(score));
}

static tg_module *small_transformer(tg_ctx *tg, int64_t s) {
    transformer_config c;
    memset(&c, 0, sizeof c);
    c.src_vocab = 9; c.tgt_vocab = 8; c.width = 8 * s; c.heads = 2; c.encoder_layers = c.decoder_layers = 1; c.inner = 6 * s; c.dropout = 0.1; c.eps = 1e-5;
    return transformer_new(tg, &c);
}
static tg_tensor *loss_transformer(tg_module *m, int64_t s) { return loss_of_logits(m, transformer_logits(m, drawn(m, 9, 2 * s, 3 * s), drawn(m, 8, 2 * s, 2 * s), NULL, NULL)); }

static tg_module *small_dcgan(tg_ctx *tg, int64_t s) {
    dcgan_config c;
    c.nz = 3 * s; c.features = 2 * s; c.channels = 1; c.image = 8;
    return dcgan_new(tg, &c);
}
static tg_tensor *loss_dcgan(tg_module *m, int64_t s) {
    tg_tensor *z = placed(m ? tg_randn(m->tg, TG_SHAPE(2 * s, 3 * s, 1, 1)) : NULL);
    return tg_add(dcgan_loss_d(m, pictures(m, 2 * s, 1, 8), z), dcgan_loss_g(m, z));
}

static tg_module *small_unet(tg_ctx *tg, int64_t s) {
    unet_config c;
    memset(&c, 0, sizeof c);
    c.in_channels = 1; c.channels = 4 * s; c.groups = 2; c.heads = 2; c.mult[0] = 1; c.mult[1] = 2; c.levels = 2;
    return unet_new(tg, &c);
}
static tg_tensor *loss_unet(tg_module *m, int64_t s) {
    tg_tensor *x = pictures(m, s, 1, 4);
    return tg_mse_loss(unet_noise(m, x, drawn(m, 9, s, 0)), x);
}

static tg_module *small_detector(tg_ctx *tg, int64_t s) {
    detector_config c = { 2, 2 * s, 1 };
    return detector_new(tg, &c);
}
static tg_tensor *loss_detector(tg_module *m, int64_t s) {
    tg_tensor *scores = NULL, *boxes = detector_boxes(m, pictures(m, 2 * s, 3, 16), &scores);
    return tg_add(tg_smooth_l1_loss(boxes, tg_ones_like(boxes)), tg_binary_cross_entropy(scores, tg_zeros_like(scores)));
}

static tg_module *small_t5(tg_ctx *tg, int64_t s) {
    t5_config c;
    memset(&c, 0, sizeof c);
    c.vocab = 9; c.width = 6 * s; c.head_dim = 3; c.inner = 7 * s; c.heads = 2; c.layers = c.decoder_layers = 1; c.buckets = 8; c.max_distance = 16; c.act = tg_relu; c.gated = true; c.eps = 1e-6;
    return t5_new(tg, &c);
}
static tg_tensor *loss_t5(tg_module *m, int64_t s) {
    tg_tensor *ids = drawn(m, 9, s, 3 * s), *mask = tg_ones_like(ids);
    return loss_of_logits(m, t5_decode(m, ids, mask, t5_encode(m, ids, mask), mask, NULL, NULL));
}

static tg_module *small_whisper(tg_ctx *tg, int64_t s) {
    whisper_config c;
    memset(&c, 0, sizeof c);
    c.vocab = 9; c.mels = 4; c.width = 8 * s; c.encoder_layers = c.decoder_layers = 1; c.encoder_heads = c.decoder_heads = 2; c.encoder_inner = c.decoder_inner = 5 * s;
    c.source_positions = 3; c.target_positions = 8; c.act = tg_gelu; c.scale_embedding = true;
    return whisper_new(tg, &c);
}
static tg_tensor *loss_whisper(tg_module *m, int64_t s) {
    return loss_of_logits(m, whisper_decode(m, drawn(m, 9, s, 3), whisper_encode(m, placed(m ? tg_randn(m->tg, TG_SHAPE(s, 4, 6)) : NULL)), NULL, NULL));
}

static const struct small_model { const char *name; tg_module *(*make)(tg_ctx *tg, int64_t s); tg_tensor *(*loss)(tg_module *m, int64_t s); } small_models[] = {
    { "mlp", small_mlp, loss_mlp }, { "lenet", small_lenet, loss_lenet }, { "vgg", small_vgg, loss_vgg }, { "resnet", small_resnet, loss_resnet },
    { "mobilenet", small_mobilenet, loss_mobilenet }, { "gpt2", small_gpt2, loss_gpt2 }, { "llama", small_llama, loss_llama }, { "bert", small_bert, loss_bert },
    { "vit", small_vit, loss_vit }, { "rnn_lm", small_rnn_lm, loss_rnn_lm }, { "recommender", small_recommender, loss_recommender },
    { "transformer", small_transformer, loss_transformer }, { "dcgan", small_dcgan, loss_dcgan }, { "unet", small_unet, loss_unet },
    { "detector", small_detector, loss_detector }, { "t5", small_t5, loss_t5 }, { "whisper", small_whisper, loss_whisper },
};
enum { SMALL_MODELS = sizeof small_models / sizeof small_models[0] };

#endif
