/* Every macro of the declarations used once, as a user would. Only compiled, never run. */
tg_tensor *compile_calls(tg_ctx *tg, tg_tensor *a, tg_tensor *b);
tg_tensor *compile_calls(tg_ctx *tg, tg_tensor *a, tg_tensor *b) {
    tg_tensor *(*function)(tg_tensor *, tg_tensor *) = &tg_add;          /* the name of a place macro is still the function */
    tg_tensor *list[2], *gradient[2] = { NULL, NULL }, *indices = NULL, *t;
    tg_optim *opt;
    tg_function_call call;
    tg_maybe maybe = TG_IS(0), none = { false, 0 };
    tg_mark m = tg_begin(tg);
    const int64_t shape[2] = { 2, 3 };
    float data[6] = { 1, 2, 3, 4, 5, 6 };
    list[0] = a;
    list[1] = b;
    call.f = NULL; call.user = NULL; call.inputs = list; call.n_inputs = 2; call.n_outputs = 1;
    t = tg_zeros(tg, TG_SHAPE(2, 3));
    t = tg_add(t, tg_zeros(tg, 2, shape));
    t = tg_add(t, tg_full(tg, TG_SCALAR, 1.5, TG_F32));
    t = tg_add(t, tg_from_f32(tg, TG_SHAPE(2, 3), data));
    t = function(t, tg_reshape(t, TG_SHAPE(3, -1)));
    t = tg_sum_dims(t, TG_DIMS(0, -1), true);
    t = tg_max_dim(t, 0, false, &indices);
    t = tg_cat(list, 2, 0);
    t = tg_clamp(tg_where(tg_lt(a, b), a, b), -1, 1);
    t = tg_mul_scalar(tg_add_(t, a), 2);
    t = tg_permute(t, TG_DIMS(1, 0));
    if (!tg_backward(t) || !tg_gradcheck(&call)) return NULL;
    if (!tg_grad(&t, 1, list, 2, gradient)) return NULL;
    t = tg_conv2d(a, b, NULL);
    t = tg_add(tg_mse_loss(a, b), tg_cross_entropy(a, b));
    opt = tg_adamw(list, 2, 1e-3);
    if (!tg_nn_linear(tg, 2, 3) || !tg_nn_group_norm(tg, 2, 8)) return NULL;
    if (!tg_optim_group(opt, list, 2, 0.1) || !tg_step(opt) || !(tg_clip_grad_norm_(list, 2, 1) >= 0) || !tg_clip_grad_value_(list, 2, 1) || !tg_optim_set(opt, -1, "beta1", 0.5)) return NULL;
#if !defined(__cplusplus) || (defined(__cpp_designated_initializers) && __cplusplus >= 202002L)
    t = tg_conv2d(a, b, NULL, .padding = {1, 1}, .stride = {2, 2});
    t = tg_cross_entropy(t, a, .ignore_index = TG_IS(0), .label_smoothing = 0.1, .reduction = TG_LOSS_SUM, .weight = b);
    if (!tg_backward(t, .gradient = a, .retain_graph = true) || !tg_grad(&t, 1, list, 2, gradient, .create_graph = true)) return NULL;
    if (!tg_gradcheck(&call, .second = true)) return NULL;
    if (!tg_nn_group_norm(tg, 2, 8, .eps = TG_IS(0.1)) || !tg_nn_layer_norm(tg, 8, .no_affine = true)) return NULL;
    opt = tg_sgd(list, 2, 1e-3, .momentum = TG_IS(0.9), .nesterov = true);
    opt = tg_adam(list, 2, 1e-3, .betas = {TG_IS(0), TG_IS(0.5)}, .weight_decay = TG_IS(0));
    if (!tg_optim_group(opt, list, 2, 0.1, .eps = TG_IS(0)) || !(tg_clip_grad_norm_(list, 2, 1, .error_if_nonfinite = true) >= 0)) return NULL;
#endif
    {
#ifdef __cplusplus
        tg_conv2d_args args = tg_conv2d_args();
#else
        tg_conv2d_args args = { { NULL, 0 }, NULL, NULL, NULL, { 0, 0 }, 0, { 0, 0 }, false, { 0, 0 } };
#endif
        args.x = a; args.weight = b;
        args.padding[0] = args.padding[1] = 1;
        t = tg_conv2d_from(&args);
    }
    if (maybe.is == none.is || tg_open(NULL) == NULL) return NULL;
    return tg_end_with(tg, m, t);
}
