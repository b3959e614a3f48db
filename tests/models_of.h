/* What each architecture is: its model from the hyperparameters, and its operands and results by name. Read by models.c. */

static void pass_x(folder *f) { out(f, "logits", tg_forward(f->net, in(f, "x"))); }

static tg_module *make_mlp(folder *f) {
    mlp_config c;
    memset(&c, 0, sizeof c);
    c.n_sizes = numbers(f, "sizes", c.sizes, MLP_SIZES);
    c.act = act_of(f, "activation", "relu");
    c.batch_norm = flag(f, "batch_norm", false);
    return mlp_new(f->tg, &c);
}

static tg_module *make_lenet(folder *f) {
    lenet_config c;
    char pool[16];
    memset(&c, 0, sizeof c);
    c.channels = side_of(f, "x", 1, 1); c.side = side_of(f, "x", 2, 28);
    c.c1 = whole(f, "c1", 6); c.c2 = whole(f, "c2", 16); c.classes = whole(f, "classes", 10);
    c.act = act_of(f, "act", "relu");
    c.average = strstr(words(f, "pool", "max", pool, sizeof pool), "av") != NULL;
    return lenet_new(f->tg, &c);
}

static tg_module *make_vgg(folder *f) {
    vgg_config c;
    int64_t pool[2] = { 7, 7 };
    memset(&c, 0, sizeof c);
    c.n_cfg = numbers(f, "cfg", c.cfg, VGG_ROOM);
    c.batch_norm = flag(f, "batch_norm", false);
    c.channels = side_of(f, "x", 1, 3); c.classes = whole(f, "num_classes", 1000); c.hidden = whole(f, "hidden", 4096);
    if (numbers(f, "avgpool", pool, 2) == 1) pool[1] = pool[0];
    c.avgpool[0] = pool[0]; c.avgpool[1] = pool[1];
    return vgg_new(f->tg, &c);
}

/* "7x7/2": the kernel and the stride, which is 1 where none is told */
static void window_of(const char *text, int64_t *kernel, int64_t *stride) {
    const char *p = strpbrk(text, "0123456789"), *slash = strchr(text, '/');
    *kernel = p ? strtol(p, NULL, 10) : 1;
    *stride = slash ? strtol(slash + 1, NULL, 10) : 1;
}
static tg_module *make_resnet(folder *f) {
    resnet_config c;
    char text[96], *pool;
    memset(&c, 0, sizeof c);
    c.bottleneck = strcmp(words(f, "block", "basic", text, sizeof text), "bottleneck") == 0;
    c.stages = numbers(f, "layers", c.layers, RESNET_STAGES);
    (void)numbers(f, "planes", c.planes, RESNET_STAGES);
    c.channels = side_of(f, "x", 1, 3); c.classes = whole(f, "num_classes", 1000);
    (void)words(f, "stem", "7x7/2 + maxpool 3x3/2", text, sizeof text);
    pool = strstr(text, "maxpool ");
    if (pool && strpbrk(pool, "123456789")) window_of(pool, &c.pool, &c.pool_stride);
    if (pool) *pool = 0;
    window_of(text, &c.stem, &c.stem_stride);
    return resnet_new(f->tg, &c);
}

static tg_module *make_mobilenet(folder *f) {
    mobilenet_config c;
    const char *p = setting(f, "inverted_residual_setting"), *q;
    memset(&c, 0, sizeof c);
    for (p = p ? json_first(p) : NULL; p && c.stages < MOBILENET_STAGES; p = json_next(p, 0)) {
        int64_t v[4] = { 1, 1, 1, 1 };
        int i = 0;
        for (q = json_first(p); q && i < 4; q = json_next(q, 0)) v[i++] = strtol(q, NULL, 10);
        c.stage[c.stages].expand = v[0]; c.stage[c.stages].channels = v[1]; c.stage[c.stages].repeat = v[2]; c.stage[c.stages++].stride = v[3];
    }
    c.channels = side_of(f, "x", 1, 3); c.classes = whole(f, "num_classes", 1000);
    c.width_mult = number(f, "width_mult", 1); c.round_nearest = whole(f, "round_nearest", 8);
    return mobilenet_new(f->tg, &c);
}

/* ---- Hugging Face's, from config.json ---- */

/* How many labels a classifier has: one for each of id2label; config.json has no other word for it. */
static int64_t labels(folder *f) {
    const char *p = setting(f, "id2label");
    return whole(f, "num_labels", p ? size_of_list(p, 1) : 2);
}

/* [N, T], 0 for padding; or NULL */
static tg_tensor *mask_of(folder *f) { return in(f, "mask") ? in(f, "mask") : in(f, "attention_mask"); }

/* Has the last layer a weight of its own? So it has where the file holds one that is not the embedding's over again. */
static bool is_untied(folder *f, const char *own, const char *embedding) {
    tg_tensor *w = tg_dict_get(f->weights, own), *e = tg_dict_get(f->weights, embedding);
    return w && !(flag(f, "tie_word_embeddings", true) && e && tg_equal(w, e));
}
/* What the encoder of a model that writes is given: the tensor that `encoder_input` names, or the first row of an operand. */
static tg_tensor *encoder_input(folder *f, const char *name) {
    char text[128] = "";
    const char *entry = json_field(f->json, "generate"), *p = entry ? json_field(entry, "encoder_input") : NULL;
    if (p && *p == '"') json_string(p, text, sizeof text);
    if (tg_dict_get(f->io, text)) return tg_dict_get(f->io, text);
    return in(f, name) ? tg_narrow(in(f, name), 0, 0, 1) : NULL;
}

static tg_module *make_gpt2(folder *f) {
    gpt2_config c;
    memset(&c, 0, sizeof c);
    c.vocab = whole(f, "vocab_size", 50257); c.positions = whole(f, "n_positions", 1024); c.width = whole(f, "n_embd", 768);
    c.layers = whole(f, "n_layer", 12); c.heads = whole(f, "n_head", 12); c.inner = whole(f, "n_inner", 4 * c.width);
    c.act = act_of(f, "activation_function", "gelu_new");
    c.eps = number(f, "layer_norm_epsilon", 1e-5);
    c.untied = !flag(f, "tie_word_embeddings", true);
    c.no_scale = !flag(f, "scale_attn_weights", true); c.scale_by_layer = flag(f, "scale_attn_by_inverse_layer_idx", false);
    return gpt2_new(f->tg, &c);
}
static void pass_gpt2(folder *f) { out(f, "logits", gpt2_logits(f->net, in(f, "ids"), mask_of(f), NULL)); }
static tg_tensor *generate_gpt2(folder *f, tg_tensor *prompt, int64_t n) {
    sampling greedy = { 0, 0, 0 };
    return gpt2_generate(f->net, prompt, n, greedy);
}

static tg_module *make_llama(folder *f) {
    llama_config c;
    char old_name[32], type[32];
    const char *whole_text = f->hyper, *rope = setting(f, "rope_parameters");                 /* version 5; before it rope_scaling, and theta beside it */
    memset(&c, 0, sizeof c);
    if (!rope) rope = setting(f, "rope_scaling");
    c.vocab = whole(f, "vocab_size", 32000); c.width = whole(f, "hidden_size", 4096); c.inner = whole(f, "intermediate_size", 11008);
    c.layers = whole(f, "num_hidden_layers", 32); c.heads = whole(f, "num_attention_heads", 32); c.kv_heads = whole(f, "num_key_value_heads", c.heads);
    c.head_dim = whole(f, "head_dim", c.width / c.heads);
    c.act = act_of(f, "hidden_act", "silu");
    c.eps = number(f, "rms_norm_eps", 1e-6);
    c.attention_bias = flag(f, "attention_bias", false); c.mlp_bias = flag(f, "mlp_bias", false);
    c.tied = flag(f, "tie_word_embeddings", false);
    c.theta = number(f, "rope_theta", 10000);
    c.old_positions = number(f, "max_position_embeddings", 2048);
    if (rope) {
        f->hyper = rope;
        c.theta = number(f, "rope_theta", c.theta);
        (void)words(f, "rope_type", words(f, "type", "default", old_name, sizeof old_name), type, sizeof type);
        c.factor = number(f, "factor", 1);
        c.low_freq = number(f, "low_freq_factor", 1); c.high_freq = number(f, "high_freq_factor", 4);
        c.old_positions = number(f, "original_max_position_embeddings", c.old_positions);
        c.rope = strcmp(type, "linear") == 0 ? LLAMA_ROPE_LINEAR : strcmp(type, "dynamic") == 0 ? LLAMA_ROPE_DYNAMIC
            : strcmp(type, "llama3") == 0 ? LLAMA_ROPE_LLAMA3 : LLAMA_ROPE_PLAIN;
        if (c.rope == LLAMA_ROPE_PLAIN && strcmp(type, "default") != 0) { fails(f, "rope_type", "%s is not known", type); f->unsupported = true; }
        f->hyper = whole_text;
    }
    return llama_new(f->tg, &c);
}
static void pass_llama(folder *f) { out(f, "logits", llama_logits(f->net, in(f, "ids"), mask_of(f), NULL)); }
static tg_tensor *generate_llama(folder *f, tg_tensor *prompt, int64_t n) {
    sampling greedy = { 0, 0, 0 };
    return llama_generate(f->net, prompt, n, greedy, -1);
}

static tg_module *make_bert(folder *f) {
    bert_config c;
    memset(&c, 0, sizeof c);
    c.vocab = whole(f, "vocab_size", 30522); c.positions = whole(f, "max_position_embeddings", 512); c.types = whole(f, "type_vocab_size", 2);
    c.width = whole(f, "hidden_size", 768); c.layers = whole(f, "num_hidden_layers", 12); c.heads = whole(f, "num_attention_heads", 12);
    c.inner = whole(f, "intermediate_size", 3072); c.labels = labels(f);
    c.act = act_of(f, "hidden_act", "gelu");
    c.eps = number(f, "layer_norm_eps", 1e-12);
    return bert_new(f->tg, &c);
}
static void pass_bert(folder *f) {
    tg_tensor *hidden = NULL, *pooled = NULL, *types = in(f, "token_type") ? in(f, "token_type") : in(f, "token_type_ids");
    out(f, "logits", bert_logits(f->net, in(f, "ids"), mask_of(f), types, &hidden, &pooled));
    out(f, "last_hidden_state", hidden);
    out(f, "pooled", pooled);
}

/* A size that is one number or a list of two, height and width. */
static void two_sizes(folder *f, const char *name, int64_t otherwise, int64_t out2[2]) {
    int n = numbers(f, name, out2, 2);
    if (n < 1) out2[0] = whole(f, name, otherwise);
    if (n < 2) out2[1] = out2[0];
}
static tg_module *make_vit(folder *f) {
    vit_config c;
    memset(&c, 0, sizeof c);
    two_sizes(f, "image_size", 224, c.image); two_sizes(f, "patch_size", 16, c.patch);
    c.channels = whole(f, "num_channels", 3); c.width = whole(f, "hidden_size", 768); c.layers = whole(f, "num_hidden_layers", 12);
    c.heads = whole(f, "num_attention_heads", 12); c.inner = whole(f, "intermediate_size", 3072); c.labels = labels(f);
    c.act = act_of(f, "hidden_act", "gelu");
    c.eps = number(f, "layer_norm_eps", 1e-12);
    c.no_qkv_bias = !flag(f, "qkv_bias", true);
    return vit_new(f->tg, &c);
}

static tg_module *make_t5(folder *f) {
    t5_config c;
    char proj[64], *act;
    memset(&c, 0, sizeof c);
    c.vocab = whole(f, "vocab_size", 32128); c.width = whole(f, "d_model", 512); c.head_dim = whole(f, "d_kv", 64); c.inner = whole(f, "d_ff", 2048);
    c.heads = whole(f, "num_heads", 8); c.layers = whole(f, "num_layers", 6); c.decoder_layers = whole(f, "num_decoder_layers", c.layers);
    c.buckets = whole(f, "relative_attention_num_buckets", 32); c.max_distance = whole(f, "relative_attention_max_distance", 128);
    (void)words(f, "feed_forward_proj", "relu", proj, sizeof proj);                           /* "relu", "gated-gelu", ... */
    act = strchr(proj, '-') ? strchr(proj, '-') + 1 : proj;
    c.gated = strncmp(proj, "gated-", 6) == 0;
    c.act = activation_named(strcmp(proj, "gated-gelu") == 0 ? "gelu_new" : act);
    if (!c.act) { fails(f, "feed_forward_proj", "no activation is called %s", act); f->unsupported = true; return NULL; }
    c.eps = number(f, "layer_norm_epsilon", 1e-6);
    c.no_scale = !flag(f, "scale_decoder_outputs", flag(f, "tie_word_embeddings", true));
    c.untied = is_untied(f, "lm_head.weight", "shared.weight");
    return t5_new(f->tg, &c);
}
static void pass_t5(folder *f) {
    tg_tensor *mask = mask_of(f), *memory = t5_encode(f->net, in(f, "ids"), mask);
    out(f, "logits", t5_decode(f->net, in(f, "decoder_ids"), in(f, "decoder_mask"), memory, mask, NULL, NULL));
    out(f, "encoder_hidden", memory);
}
static tg_tensor *generate_t5(folder *f, tg_tensor *prompt, int64_t n) {
    sampling greedy = { 0, 0, 0 };
    tg_tensor *text = encoder_input(f, "ids"), *mask = tg_dict_get(f->io, "gen.mask");
    if (!mask && text && in(f, "mask") && text->shape[1] == in(f, "mask")->shape[1]) mask = tg_narrow(in(f, "mask"), 0, 0, text->shape[0]);
    return t5_generate(f->net, text, mask, prompt, n, greedy, -1);
}

static tg_module *make_whisper(folder *f) {
    whisper_config c;
    memset(&c, 0, sizeof c);
    c.vocab = whole(f, "vocab_size", 51865); c.mels = whole(f, "num_mel_bins", 80); c.width = whole(f, "d_model", 384);
    c.encoder_layers = whole(f, "encoder_layers", 4); c.encoder_heads = whole(f, "encoder_attention_heads", 6); c.encoder_inner = whole(f, "encoder_ffn_dim", 1536);
    c.decoder_layers = whole(f, "decoder_layers", 4); c.decoder_heads = whole(f, "decoder_attention_heads", 6); c.decoder_inner = whole(f, "decoder_ffn_dim", 1536);
    c.source_positions = whole(f, "max_source_positions", 1500); c.target_positions = whole(f, "max_target_positions", 448);
    c.act = act_of(f, "activation_function", "gelu");
    c.scale_embedding = flag(f, "scale_embedding", false);
    c.untied = is_untied(f, "proj_out.weight", "model.decoder.embed_tokens.weight");
    return whisper_new(f->tg, &c);
}
static void pass_whisper(folder *f) {
    tg_tensor *memory = whisper_encode(f->net, in(f, "features"));
    out(f, "logits", whisper_decode(f->net, in(f, "decoder_ids"), memory, NULL, NULL));
    out(f, "encoder_hidden", memory);
}
static tg_tensor *generate_whisper(folder *f, tg_tensor *prompt, int64_t n) {
    sampling greedy = { 0, 0, 0 };
    return whisper_generate(f->net, encoder_input(f, "features"), prompt, n, greedy, -1);
}

/* ---- the others, from `hyper` ---- */

static tg_module *make_rnn_lm(folder *f) {
    rnn_lm_config c;
    char text[32];
    memset(&c, 0, sizeof c);
    (void)words(f, "kind", "lstm", text, sizeof text);
    c.kind = strcmp(text, "lstm") == 0 ? RNN_LM_LSTM : strcmp(text, "gru") == 0 ? RNN_LM_GRU : RNN_LM_RNN;
    c.vocab = whole(f, "vocab", 0); c.embedding = whole(f, "embedding", 0); c.hidden = whole(f, "hidden", 0); c.layers = whole(f, "layers", 1);
    c.outputs = whole(f, "outputs", c.vocab); c.proj_size = whole(f, "proj_size", 0);
    c.bidirectional = flag(f, "bidirectional", false); c.no_bias = !flag(f, "bias", true);
    c.relu = strcmp(words(f, "nonlinearity", "tanh", text, sizeof text), "relu") == 0;
    return rnn_lm_new(f->tg, &c);
}
static void pass_rnn_lm(folder *f) {
    rnn_lm_state state = { in(f, "h0"), in(f, "c0") };
    if (f->batch && !state.h) { out(f, "logits", rnn_lm_logits(f->net, in(f, "ids"), NULL)); return; }
    out(f, "logits", rnn_lm_logits(f->net, in(f, "ids"), &state));
    out(f, "hn", state.h);
    out(f, "cn", state.c);
    out(f, "logits_zero_state", rnn_lm_logits(f->net, in(f, "ids"), NULL));
}
static tg_tensor *generate_rnn_lm(folder *f, tg_tensor *prompt, int64_t n) {
    sampling greedy = { 0, 0, 0 };
    return rnn_lm_generate(f->net, prompt, n, greedy);
}

static tg_module *make_recommender(folder *f) {
    recommender_config c;
    c.users = whole(f, "users", 0); c.items = whole(f, "items", 0); c.dim = whole(f, "dim", 0); c.hidden = whole(f, "hidden", 0);
    return recommender_new(f->tg, &c);
}
static void pass_recommender(folder *f) { out(f, "score", recommender_scores(f->net, in(f, "u"), in(f, "i"), in(f, "hist"), in(f, "off"))); }

static tg_module *make_transformer(folder *f) {
    transformer_config c;
    char text[32];
    memset(&c, 0, sizeof c);
    c.src_vocab = c.tgt_vocab = whole(f, "vocab", 0);
    c.src_vocab = whole(f, "src_vocab", c.src_vocab); c.tgt_vocab = whole(f, "tgt_vocab", c.tgt_vocab);
    c.width = whole(f, "d_model", 512); c.heads = whole(f, "heads", 8); c.inner = whole(f, "feedforward", 2048);
    c.encoder_layers = whole(f, "encoder_layers", 6); c.decoder_layers = whole(f, "decoder_layers", 6);
    c.norm_first = flag(f, "norm_first", false); c.no_bias = !flag(f, "bias", true);
    c.gelu = strcmp(words(f, "activation", "relu", text, sizeof text), "gelu") == 0;
    c.eps = number(f, "layer_norm_eps", 1e-5);
    return transformer_new(f->tg, &c);
}
static void pass_transformer(folder *f) {
    out(f, "logits", transformer_logits(f->net, in(f, "src"), in(f, "tgt"), in(f, "src_key_padding_mask"), in(f, "tgt_key_padding_mask")));
}

static tg_module *make_dcgan(folder *f) {
    dcgan_config c;
    c.nz = whole(f, "nz", 100); c.features = whole(f, "features", 64); c.channels = whole(f, "channels", 3); c.image = whole(f, "image", 64);
    return dcgan_new(f->tg, &c);
}
static void pass_dcgan(folder *f) {
    tg_tensor *fake = dcgan_fake(f->net, in(f, "z"));
    out(f, "fake", fake);
    out(f, "score", dcgan_score(f->net, in(f, "x")));
    out(f, "fake_score", dcgan_score(f->net, fake));
}
static tg_tensor *loss_dcgan(folder *f, const char *text) {
    return strncmp(text, "discriminator", 13) == 0 ? dcgan_loss_d(f->net, in(f, "x"), in(f, "z")) : dcgan_loss_g(f->net, in(f, "z"));
}

static tg_module *make_unet(folder *f) {
    unet_config c;
    memset(&c, 0, sizeof c);
    c.in_channels = whole(f, "in_channels", 3); c.channels = whole(f, "channels", 64); c.groups = whole(f, "groups", 8); c.heads = whole(f, "heads", 4);
    c.levels = numbers(f, "mult", c.mult, UNET_LEVELS);
    return unet_new(f->tg, &c);
}
/* "linspace(1e-3, 0.25, 12)" */
static int betas_of(folder *f, double *betas, int room) {
    char text[128] = "", *p = text;
    double from, to;
    const char *s = json_field(f->json, "sampling");
    int n = s ? (int)number_in(s, "steps", 0) : 0;
    if (s) (void)text_in(s, "betas", text, sizeof text);
    if (strncmp(text, "linspace(", 9) != 0 || n > room) { if (s) fails(f, "sampling", "these betas are not known: %s", text); return 0; }
    from = strtod(text + 9, &p);
    to = strtod(p + 1, NULL);
    for (int i = 0; i < n; i++) betas[i] = n > 1 ? from + (to - from) * i / (n - 1) : from;
    return n;
}
static void pass_unet(folder *f) {
    double betas[1024];
    int n = f->batch ? 0 : betas_of(f, betas, 1024);
    out(f, "eps", unet_noise(f->net, in(f, "x"), in(f, "t")));
    if (n) out(f, "x_0", unet_sample(f->net, in(f, "x_T"), betas, n, in(f, "noise")));
}

static tg_module *make_detector(folder *f) {
    detector_config c;
    c.classes = whole(f, "classes", 80); c.channels = whole(f, "channels", 16); c.anchors = whole(f, "anchors", 3);
    return detector_new(f->tg, &c);
}
static void pass_detector(folder *f) {
    double iou = number(f, "iou_threshold", 0.45);
    tg_tensor *scores = NULL, *boxes = detector_boxes(f->net, in(f, "x"), &scores), *one_boxes, *one_scores;
    detector_found all, found;
    out(f, "boxes", boxes);
    out(f, "scores", scores);
    if (f->batch) return;
    one_boxes = tg_select(boxes, 0, 0); one_scores = tg_select(scores, 0, 0);
    all = detector_candidates(one_boxes, one_scores, number(f, "conf_threshold", 0.25));
    found = detector_find(one_boxes, one_scores, number(f, "conf_threshold", 0.25), iou);
    out(f, "cand_boxes", all.boxes); out(f, "cand_scores", all.scores); out(f, "cand_classes", all.classes);
    out(f, "nms_keep", tg_nms(all.boxes, all.scores, iou));
    out(f, "batched_nms_keep", detector_nms(all, iou));
    out(f, "det_boxes", found.boxes); out(f, "det_scores", found.scores); out(f, "det_classes", found.classes);
}
static tg_tensor *loss_detector(folder *f, const char *text) {
    if (!strstr(text, "smooth L1")) return NULL;
    pass_detector(f);
    return tg_add(tg_smooth_l1_loss(result(f, "boxes"), in(f, "tb")), tg_binary_cross_entropy(result(f, "scores"), in(f, "ts")));
}

static const kind kinds[] = {
    { "mlp", make_mlp, pass_x, NULL, NULL, { NULL, NULL } },
    { "lenet", make_lenet, pass_x, NULL, NULL, { NULL, NULL } },
    { "vgg", make_vgg, pass_x, NULL, NULL, { NULL, NULL } },
    { "resnet", make_resnet, pass_x, NULL, NULL, { NULL, NULL } },
    { "mobilenet_v2", make_mobilenet, pass_x, NULL, NULL, { NULL, NULL } },
    { "gpt2", make_gpt2, pass_gpt2, NULL, generate_gpt2, { "<transformer.h.%d.ln_1", "transformer.ln_f" } },
    { "llama", make_llama, pass_llama, NULL, generate_llama, { "<model.layers.%d.input_layernorm", "model.norm" } },
    { "bert", make_bert, pass_bert, NULL, NULL, { "bert.embeddings.LayerNorm", "bert.encoder.layer.%d.output.LayerNorm" } },
    { "vit", make_vit, pass_x, NULL, NULL, { "<vit.encoder.layer.%d.layernorm_before", "<vit.layernorm" } },
    { "t5", make_t5, pass_t5, NULL, generate_t5, { NULL, NULL } },
    { "whisper", make_whisper, pass_whisper, NULL, generate_whisper, { NULL, NULL } },
    { "rnn_lm", make_rnn_lm, pass_rnn_lm, NULL, generate_rnn_lm, { NULL, NULL } },
    { "rnn_tagger", make_rnn_lm, pass_rnn_lm, NULL, NULL, { NULL, NULL } },
    { "recommender", make_recommender, pass_recommender, NULL, NULL, { NULL, NULL } },
    { "nn_transformer", make_transformer, pass_transformer, NULL, NULL, { NULL, NULL } },
    { "dcgan", make_dcgan, pass_dcgan, loss_dcgan, NULL, { NULL, NULL } },
    { "unet_ddpm", make_unet, pass_unet, NULL, NULL, { NULL, NULL } },
    { "detector", make_detector, pass_detector, loss_detector, NULL, { NULL, NULL } },
};
