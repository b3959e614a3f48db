/* A whole small training with a look at most families; shared by the programs that are built in many ways. Reads the declarations only.
   step_train: a 2-8-1 network learns exclusive or; returns the last loss, -1 after an error. step_ops: one call of each family. */
#include <stdio.h>

static double step_train(tg_ctx *tg, int steps) {
    static const float in[8] = { 0, 0, 0, 1, 1, 0, 1, 1 }, out[4] = { 0, 1, 1, 0 };
    tg_tensor *x = tg_from_f32(tg, TG_SHAPE(4, 2), in), *y = tg_from_f32(tg, TG_SHAPE(4, 1), out);
    tg_tensor *w[4];
    double last = -1;
    int i, k;
    w[0] = tg_require_grad(tg_randn(tg, TG_SHAPE(8, 2)), true);
    w[1] = tg_require_grad(tg_zeros(tg, TG_SHAPE(8)), true);
    w[2] = tg_require_grad(tg_randn(tg, TG_SHAPE(1, 8)), true);
    w[3] = tg_require_grad(tg_zeros(tg, TG_SHAPE(1)), true);
    for (i = 0; i < steps; i++) {
        tg_mark m = tg_begin(tg);
        tg_tensor *loss = tg_mse_loss(tg_sigmoid(tg_linear(tg_tanh(tg_linear(x, w[0], w[1])), w[2], w[3])), y);
        bool was;
#ifdef __cplusplus
        tg_backward_args args = tg_backward_args();
        args.loss = loss;
        (void)tg_backward_from(&args);
#else
        (void)tg_backward(loss);
#endif
        was = tg_grad_mode(tg, false);
        for (k = 0; k < 4; k++) {
            (void)tg_add_(w[k], tg_mul_scalar(w[k]->grad, -2.0));
            (void)tg_zero_grad(w[k]);
        }
        (void)tg_grad_mode(tg, was);
        last = tg_item(loss);
        tg_end(tg, m);
        if (tg_failed(tg)) { printf("FAIL %s\n", tg_error_text(tg)); return -1; }
    }
    return last;
}

#ifndef STEP_TRAIN_ONLY
/* One of every kind that is in the build: convolution, sort, gather, softmax, reductions, views, conversions, printing; forward and backward. */
static bool step_ops(tg_ctx *tg) {
    char text[256];
    tg_mark m = tg_begin(tg);
    tg_tensor *indices = NULL, *x = tg_require_grad(tg_randn(tg, TG_SHAPE(2, 3, 8, 8)), true), *w = tg_require_grad(tg_randn(tg, TG_SHAPE(4, 3, 3, 3)), true), *y, *z;
#ifndef TENSORGRAD_NO_CONV
    tg_conv2d_args c;
#endif
#ifdef TENSORGRAD_NO_F64
    const tg_dtype wide = TG_F32;
#else
    const tg_dtype wide = TG_F64;
#endif
    tg_backward_args b;
    bool ok;
#ifndef TENSORGRAD_NO_CONV
    c.at.file = NULL; c.at.line = 0;
    c.x = x; c.weight = w; c.bias = NULL;
    c.dilation[0] = c.dilation[1] = c.groups = 0; c.padding[0] = c.padding[1] = 1; c.stride[0] = c.stride[1] = 2; c.same = false;
    y = tg_relu(tg_conv2d_from(&c));
#else
    y = tg_relu(tg_slice(tg_reshape(x, TG_SHAPE(2, -1)), ":, :64"));
#endif
    y = tg_reshape(y, TG_SHAPE(2, -1));
    z = tg_cross_entropy(y, tg_randint(tg, 0, 64, TG_SHAPE(2)));
    y = tg_sort(tg_slice(y, "0, ::2"), 0, false, &indices);
    z = tg_add(z, tg_sum(tg_mul(tg_softmax(y, 0), tg_gather(y, 0, indices))));
    z = tg_add(z, tg_mean(tg_to(tg_to(tg_dropout(tg_square(w), 0.5, true), TG_BF16), TG_F32)));
    z = tg_add(z, tg_to(tg_amax(tg_matmul(tg_to(tg_reshape(x, TG_SHAPE(24, 16)), wide), tg_transpose(tg_to(tg_reshape(x, TG_SHAPE(24, 16)), wide), 0, 1))), TG_F32));
    b.at.file = NULL; b.at.line = 0;
    b.loss = z; b.create_graph = false; b.gradient = NULL; b.retain_graph = false;
    ok = tg_backward_from(&b) && x->grad && w->grad && tg_item(tg_all(tg_isfinite(x->grad))) == 1;
    (void)tg_format(w, text, sizeof text);
    (void)tg_format_line(w, text, sizeof text);
    (void)tg_format_stats(w, text, sizeof text);
    if (tg_failed(tg)) { printf("FAIL %s\n", tg_error_text(tg)); ok = false; }
    else if (!ok) printf("FAIL step_ops: gradients are missing or not finite\n");
    tg_zero_grad(x);
    tg_zero_grad(w);
    tg_end(tg, m);
    return ok;
}
#endif
