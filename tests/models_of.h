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

static tg_module *make_resnet(folder *f) {
    resnet_config c;
    char text[64], *stride;
    memset(&c, 0, sizeof c);
    c.bottleneck = strcmp(words(f, "block", "basic", text, sizeof text), "bottleneck") == 0;
    c.stages = numbers(f, "layers", c.layers, RESNET_STAGES);
    (void)numbers(f, "planes", c.planes, RESNET_STAGES);
    c.channels = side_of(f, "x", 1, 3); c.classes = whole(f, "num_classes", 1000);
    (void)words(f, "stem", "7x7/2 + maxpool 3x3/2", text, sizeof text);                   /* the convolution's kernel and stride, and whether a pooling follows */
    c.no_pool = strstr(text, "maxpool") == NULL;
    if (!c.no_pool) *strstr(text, "maxpool") = 0;
    stride = strchr(text, '/');
    c.stem = strtol(text, NULL, 10); c.stem_stride = stride ? strtol(stride + 1, NULL, 10) : 1;
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
static void pass_gpt2(folder *f) { out(f, "logits", gpt2_logits(f->net, in(f, "ids"), in(f, "mask"), NULL)); }
static tg_tensor *generate_gpt2(folder *f, tg_tensor *prompt, int64_t n) {
    sampling greedy = { 0, 0, 0 };
    return gpt2_generate(f->net, prompt, n, greedy);
}

static tg_module *make_llama(folder *f) {
    llama_config c;
    char type[32];
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
        (void)words(f, "rope_type", words(f, "type", "default", type, sizeof type), type, sizeof type);
        c.factor = number(f, "factor", 1);
        c.low_freq = number(f, "low_freq_factor", 1); c.high_freq = number(f, "high_freq_factor", 4);
        c.old_positions = number(f, "original_max_position_embeddings", c.old_positions);
        c.rope = strcmp(type, "linear") == 0 ? LLAMA_ROPE_LINEAR : strcmp(type, "llama3") == 0 ? LLAMA_ROPE_LLAMA3 : LLAMA_ROPE_PLAIN;
        if (c.rope == LLAMA_ROPE_PLAIN && strcmp(type, "default") != 0) { fails(f, "rope_type", "%s is not known", type); f->unsupported = true; }
        f->hyper = whole_text;
    }
    return llama_new(f->tg, &c);
}
static void pass_llama(folder *f) { out(f, "logits", llama_logits(f->net, in(f, "ids"), in(f, "mask"), NULL)); }
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
    tg_tensor *hidden = NULL, *pooled = NULL;
    out(f, "logits", bert_logits(f->net, in(f, "ids"), in(f, "mask"), in(f, "token_type"), &hidden, &pooled));
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
};
