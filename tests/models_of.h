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

static tg_tensor *hook_hidden(void *user, tg_module *m, tg_tensor *x, tg_tensor *y) { (void)user; (void)m; (void)x; (void)y; return NULL; }

static const kind kinds[] = {
    { "mlp", make_mlp, pass_x, NULL, NULL, NULL },
    { "lenet", make_lenet, pass_x, NULL, NULL, NULL },
    { "vgg", make_vgg, pass_x, NULL, NULL, NULL },
    { "resnet", make_resnet, pass_x, NULL, NULL, NULL },
    { "mobilenet_v2", make_mobilenet, pass_x, NULL, NULL, NULL },
};
