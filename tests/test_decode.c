/* Writing, of examples/models: a cache gives what a whole pass gives, whatever the pieces; sampling keeps to what its options allow; what has ended stays ended.
   And of models: wherever memory runs out, while they are made, run, trained or write, an error comes of it and nothing else.
   run.sh flags: -lm */
#include "test.h"
#include "../examples/models/gpt2.h"
#include "../examples/models/llama.h"
#include "../examples/models/t5.h"
#include "../examples/models/whisper.h"
#include "../examples/models/vit.h"
#include "../examples/models/unet_ddpm.h"
#include "../examples/models/detector.h"
#include "../examples/models/rnn_lm.h"

static tg_module *small_gpt2(tg_ctx *tg) {
    gpt2_config c;
    memset(&c, 0, sizeof c);
    c.vocab = 19; c.positions = 32; c.width = 12; c.layers = 2; c.heads = 3; c.inner = 20; c.act = tg_gelu_tanh; c.eps = 1e-5; c.untied = true;
    return gpt2_new(tg, &c);
}
static tg_module *small_llama(tg_ctx *tg) {
    llama_config c;
    memset(&c, 0, sizeof c);
    c.vocab = 19; c.width = 12; c.inner = 20; c.layers = 2; c.heads = 4; c.kv_heads = 2; c.head_dim = 6; c.act = tg_silu; c.eps = 1e-5; c.theta = 10000; c.tied = true;
    return llama_new(tg, &c);
}
typedef tg_tensor *(*logits_of)(tg_module *m, tg_tensor *ids, tg_tensor *mask, kv_cache *cache);

/* The logits of 11 tokens at once, and in pieces of 4, 1, 5 and 1. */
static void check_pieces(tg_ctx *tg, tg_module *m, logits_of logits, kv_cache cache) {
    static const int64_t sizes[] = { 4, 1, 5, 1 };
    tg_tensor *ids = tg_randint(tg, 0, 19, TG_SHAPE(2, 11)), *all = logits(m, ids, NULL, NULL), *mask;
    int64_t at = 0;
    for (int i = 0; i < 4; i++) {
        tg_tensor *piece = logits(m, tg_narrow(ids, 1, at, sizes[i]), NULL, &cache);
        CHECK(piece && tg_allclose(piece, tg_narrow(all, 1, at, sizes[i]), 1e-5, 1e-6));
        at += sizes[i];
    }
    CHECK(cache.length == 11);
    /* what is padding is not seen by what is not: the last tokens of row 1 are others */
    mask = tg_ones(tg, TG_SHAPE(2, 11));
    tg_fill_(tg_slice(mask, "1, 7:"), 0);
    ids = tg_clone(ids);
    tg_fill_(tg_slice(ids, "1, 7:"), 3);
    CHECK(tg_allclose(tg_slice(logits(m, ids, mask, NULL), "1, :7"), tg_slice(all, "1, :7"), 1e-5, 1e-6));
}

/* Which of 6 tokens are ever chosen in 400 draws, as bits; probabilities of 0.4, 0.3, 0.15, 0.1, 0.04, 0.01 */
static int chosen(tg_ctx *tg, sampling s) {
    static const float p[6] = { 0.1f, 0.4f, 0.04f, 0.3f, 0.01f, 0.15f };
    int64_t token[400] = { 0 };
    int set = 0;
    tg_tensor *logits = tg_log(tg_from_f32(tg, TG_SHAPE(1, 6), p));
    CHECK(tg_read(sample_token(tg_contiguous(tg_expand(logits, TG_SHAPE(400, 6))), s), token, sizeof token));
    for (int i = 0; i < 400; i++) set |= 1 << token[i];
    return set;
}
static sampling options(double temperature, int64_t top_k, double top_p) {
    sampling s = { temperature, top_k, top_p };
    return s;
}

static tg_tensor *always_next(void *user, tg_tensor *ids) {      /* token + 1 */
    (void)user;
    return tg_to(tg_one_hot(tg_add_scalar(tg_select(ids, 1, -1), 1), 12), TG_F32);
}

/* ---- memory that runs out ---- */

static tg_tensor *use_gpt2(tg_ctx *tg) {
    tg_module *m = small_gpt2(tg);
    tg_tensor *ids = tg_zeros(tg, TG_SHAPE(1, 3));
    ids = tg_to(ids, TG_I64);
    (void)gpt2_generate(m, ids, 2, options(1, 4, 0.9));
    return gpt2_logits(m, ids, ids, NULL);
}
static tg_tensor *use_llama(tg_ctx *tg) {
    tg_module *m = small_llama(tg);
    tg_tensor *ids = tg_full(tg, TG_SHAPE(1, 3), 1, TG_I64);
    (void)llama_generate(m, ids, 2, options(0, 0, 0), 5);
    return llama_logits(m, ids, NULL, NULL);
}
static tg_tensor *use_t5(tg_ctx *tg) {
    t5_config c;
    tg_tensor *ids = tg_full(tg, TG_SHAPE(1, 3), 1, TG_I64);
    tg_module *m;
    memset(&c, 0, sizeof c);
    c.vocab = 9; c.width = 6; c.head_dim = 3; c.inner = 7; c.heads = 2; c.layers = c.decoder_layers = 1; c.buckets = 8; c.max_distance = 16; c.act = tg_relu; c.gated = true;
    m = t5_new(tg, &c);
    (void)t5_generate(m, ids, ids, ids, 2, options(0, 0, 0), -1);
    return t5_decode(m, ids, ids, t5_encode(m, ids, ids), NULL, NULL, NULL);
}
static tg_tensor *use_whisper(tg_ctx *tg) {
    whisper_config c;
    tg_tensor *ids = tg_full(tg, TG_SHAPE(1, 3), 1, TG_I64), *x = tg_ones(tg, TG_SHAPE(1, 4, 6));
    tg_module *m;
    memset(&c, 0, sizeof c);
    c.vocab = 9; c.mels = 4; c.width = 8; c.encoder_layers = c.decoder_layers = 1; c.encoder_heads = c.decoder_heads = 2; c.encoder_inner = c.decoder_inner = 5;
    c.source_positions = 3; c.target_positions = 8; c.act = tg_gelu; c.scale_embedding = true;
    m = whisper_new(tg, &c);
    (void)whisper_generate(m, x, ids, 2, options(0, 0, 0), -1);
    return whisper_decode(m, ids, whisper_encode(m, x), NULL, NULL);
}
static tg_tensor *use_vit(tg_ctx *tg) {
    vit_config c;
    memset(&c, 0, sizeof c);
    c.image[0] = c.image[1] = 8; c.patch[0] = c.patch[1] = 4; c.channels = 1; c.width = 8; c.layers = 1; c.heads = 2; c.inner = 6; c.labels = 3; c.act = tg_gelu;
    return tg_forward(vit_new(tg, &c), tg_ones(tg, TG_SHAPE(2, 1, 8, 8)));
}
static tg_tensor *use_unet(tg_ctx *tg) {
    unet_config c;
    const double betas[2] = { 0.1, 0.2 };
    tg_tensor *x = tg_ones(tg, TG_SHAPE(1, 1, 4, 4));
    tg_module *m;
    memset(&c, 0, sizeof c);
    c.in_channels = 1; c.channels = 4; c.groups = 2; c.heads = 2; c.mult[0] = 1; c.mult[1] = 2; c.levels = 2;
    m = unet_new(tg, &c);
    (void)unet_sample(m, x, betas, 2, NULL);
    return unet_noise(m, x, tg_full(tg, TG_SHAPE(1), 1, TG_I64));
}
static tg_tensor *use_detector(tg_ctx *tg) {
    detector_config c = { 2, 2, 1 };
    tg_tensor *scores = NULL, *boxes = detector_boxes(detector_new(tg, &c), tg_ones(tg, TG_SHAPE(2, 3, 16, 16)), &scores);
    (void)detector_find(tg_select(boxes, 0, 0), tg_select(scores, 0, 0), 0.1, 0.5);
    return boxes;
}
static tg_tensor *use_rnn_lm(tg_ctx *tg) {
    rnn_lm_config c;
    tg_tensor *ids = tg_full(tg, TG_SHAPE(1, 3), 1, TG_I64);
    tg_module *m;
    memset(&c, 0, sizeof c);
    c.vocab = c.outputs = 7; c.embedding = 3; c.hidden = 4; c.layers = 1;
    m = rnn_lm_new(tg, &c);
    (void)rnn_lm_generate(m, ids, 2, options(0, 0, 0));
    return rnn_lm_logits(m, ids, NULL);
}

/* Each allocation fails once, or every seventh in the short run; whether what is made of it is right is said elsewhere. */
static void check_memory(const char *name, tg_tensor *(*use)(tg_ctx *tg)) {
    test_heap heap = TEST_HEAP;
    const int step = getenv("TG_TEST_ALL") ? 1 : 7;
    for (heap.fail_at = 1; ; heap.fail_at += step) {
        tg_config config = test_config(&heap);
        tg_ctx *tg;
        config.no_cache = true;                                  /* or most blocks would be others over again */
        tg = tg_open(&config);
        if (tg) {
            tg_tensor *y = use(tg);
            bool ok = y && tg_backward(tg_sum(y));
            CHECK_MSG(ok ? !tg_failed(tg) : tg_error(tg) == TG_ERROR_MEMORY, "%s, allocation %ld: %s", name, heap.fail_at, tg_error_text(tg));
            tg_close(tg);
        }
        if (!test_heap_ended(&heap)) break;
    }
}

int main(void) {
    tg_ctx *tg = test_open();
    tg_tensor *like = tg_zeros(tg, TG_SCALAR), *ids;
    int64_t got[12], start[2] = { 3, 5 };
    tg_module *m = small_gpt2(tg);
    tg_train(m, false);
    check_pieces(tg, m, gpt2_logits, kv_new(like, 2, 2, 3, 11, 4));
    ids = tg_randint(tg, 0, 19, TG_SHAPE(2, 3));
    CHECK(tg_equal(gpt2_generate(m, ids, 6, options(0, 0, 0)), gpt2_generate(m, ids, 6, options(1, 1, 0))));     /* one of the likeliest one */
    CHECK(tg_equal(gpt2_generate(m, ids, 6, options(0, 0, 0)), gpt2_generate(m, ids, 6, options(0.5, 0, 1e-6))));
    m = small_llama(tg);
    tg_train(m, false);
    check_pieces(tg, m, llama_logits, kv_new(like, 2, 2, 2, 11, 6));
    CHECK(llama_generate(m, ids, 0, options(0, 0, 0), -1) != NULL && !tg_failed(tg));

    CHECK(chosen(tg, options(0, 0, 0)) == 1 << 1);
    CHECK((chosen(tg, options(1, 0, 0)) & 47) == 47);            /* the one of 0.01 may be missing */
    CHECK(chosen(tg, options(1, 3, 0)) == (1 << 1 | 1 << 3 | 1 << 5));
    CHECK(chosen(tg, options(1, 9, 0.69)) == (1 << 1 | 1 << 3));
    CHECK(chosen(tg, options(1, 0, 0.8)) == (1 << 1 | 1 << 3 | 1 << 5));
    CHECK(chosen(tg, options(0.01, 0, 0)) == 1 << 1);

    ids = generate(tg_from(tg, TG_SHAPE(2, 1), TG_I64, start), 5, options(0, 0, 0), 7, always_next, NULL);
    CHECK(tg_read(ids, got, sizeof(int64_t) * 10));              /* 3 4 5 6 7, 5 6 7 7 7: both have ended behind four tokens */
    CHECK(ids && ids->shape[1] == 5 && got[4] == 7 && got[7] == 7 && got[8] == 7 && got[9] == 7);
    CHECK(generate(NULL, 5, options(0, 0, 0), -1, always_next, NULL) == NULL);
    ids = generate(tg_from(tg, TG_SHAPE(2, 1), TG_I64, start), 9, options(0, 0, 0), -1, always_next, NULL);      /* 12 is no class: an error in the loop */
    CHECK(!ids && tg_failed(tg));
    tg_clear(tg);
    CHECK(tg_grad_mode(tg, true));                               /* and recording is on again */
    test_close(tg);

    check_memory("gpt2", use_gpt2);
    check_memory("llama", use_llama);
    check_memory("t5", use_t5);
    check_memory("whisper", use_whisper);
    check_memory("vit", use_vit);
    check_memory("unet", use_unet);
    check_memory("detector", use_detector);
    check_memory("rnn_lm", use_rnn_lm);
    return test_end("decode");
}
