/* cuda.c - the same training on the CPU and, where there is one, on an NVIDIA GPU; the time of a step on both.

   A network of bare tensors learns which of three arms of a spiral a point lies on. Nothing in train() but its first
   line knows where the tensors are: the weights and the points are made there, and whatever is computed from them
   stays there. Without a GPU the program says why and trains on the CPU alone.

       cc -O2 examples/cuda.c -o cuda && ./cuda
       ./cuda short                                     a few steps, as the tests do

   It prints for each device the loss before and after, the share of points that are told right, and milliseconds a
   step. Both begin with the same weights; the losses agree to about five digits after some steps, because the CPU and
   the GPU round very small numbers apart. */

#define TENSORGRAD_IMPLEMENTATION
#include "../tensorgrad.h"
#include "../tensorgrad_cuda.h"
#include <stdio.h>
#include <string.h>

enum { POINTS = 3072, ARMS = 3, HIDDEN = 512, W1 = 0, B1, W2, B2, W3, B3, WEIGHTS };

/* ---- The data: points [POINTS, 2] and the number of each one's arm [POINTS]. ---- */

static tg_tensor *make_points(tg_ctx *tg, tg_tensor **arms) {
    tg_tensor *i = tg_arange(tg, 0, POINTS, 1, TG_F32), *radius = tg_div_scalar(tg_floor_divide_scalar(i, ARMS), POINTS / ARMS), *xy[2];
    *arms = tg_remainder_scalar(tg_arange(tg, 0, POINTS, 1, TG_I64), ARMS);
    tg_tensor *angle = tg_add(tg_mul_scalar(radius, 6), tg_mul_scalar(tg_to(*arms, TG_F32), 2 * 3.14159265 / ARMS));
    xy[0] = tg_mul(radius, tg_cos(angle)); xy[1] = tg_mul(radius, tg_sin(angle));
    return tg_add_scaled(tg_stack(xy, 2, 1), tg_randn(tg, TG_SHAPE(POINTS, 2)), 0.01);
}

/* ---- The network: 2 -> HIDDEN -> HIDDEN -> ARMS. ---- */

static tg_tensor *forward(tg_tensor *const *w, tg_tensor *x) {
    x = tg_relu(tg_linear(x, w[W1], w[B1]));
    x = tg_relu(tg_linear(x, w[W2], w[B2]));
    return tg_linear(x, w[W3], w[B3]);
}

/* Gradient descent with momentum. Returns the loss, which stays where it was computed: reading it would wait for the device. */
static tg_tensor *step(tg_ctx *tg, tg_tensor **w, tg_tensor **v, tg_tensor *x, tg_tensor *y) {
    tg_tensor *loss = tg_cross_entropy(forward(w, x), y);
    tg_backward(loss);
    bool was = tg_grad_mode(tg, false);
    for (int i = 0; i < WEIGHTS && !tg_failed(tg); i++) {
        tg_add_(tg_mul_(v[i], tg_number(tg, 0.9)), tg_grad_of(w[i]));
        tg_add_scaled_(w[i], v[i], -0.05);
        tg_zero_grad(w[i]);
    }
    tg_grad_mode(tg, was);
    return loss;
}

static bool train(tg_ctx *tg, tg_device where, const char *name, int steps) {
    static const int64_t in[3] = { 2, HIDDEN, HIDDEN }, out[3] = { HIDDEN, HIDDEN, ARMS };
    tg_mark whole = tg_begin(tg);
    tg_tensor *w[WEIGHTS], *v[WEIGHTS], *x, *y;
    double first = 0, last = 0, right, begin = 0;
    tg_default_device(tg, where);
    tg_seed(tg, 1);                                                        /* the same points and weights for everybody */
    x = make_points(tg, &y);
    for (int i = 0; i < WEIGHTS; i++) {
        tg_tensor *t = i % 2 ? tg_zeros(tg, TG_SHAPE(out[i / 2]))
            : tg_mul_scalar(tg_randn(tg, TG_SHAPE(out[i / 2], in[i / 2])), in[i / 2] == 2 ? 1 : 0.06);
        w[i] = tg_require_grad(t, true);
        v[i] = tg_zeros_like(tg_detach(w[i]));
    }
    for (int i = 0; i < steps && !tg_failed(tg); i++) {
        tg_mark m = tg_begin(tg);
        tg_tensor *loss = step(tg, w, v, x, y);
        /* the first step, which compiles the kernels of a GPU, is not counted */
        if (i == 0) { first = tg_item(loss); begin = tg_seconds(tg); }
        if (i == steps - 1) last = tg_item(loss);                          /* waits for all steps */
        tg_end(tg, m);
    }
    begin = 1000 * (tg_seconds(tg) - begin) / (steps - 1);
    right = tg_item(tg_mean(tg_to(tg_eq(tg_argmax_dim(forward(w, x), 1, false), y), TG_F32)));
    tg_end(tg, whole);
    if (tg_failed(tg)) { printf("%s: %s\n", name, tg_error_text(tg)); return false; }
    printf("%-24s loss %.4f, after %d steps %.4f; %.1f%% right; %.2f ms a step\n", name, first, steps, last, 100 * right, begin);
    return true;
}

int main(int argc, char **argv) {
    const int steps = argc > 1 && strcmp(argv[1], "short") == 0 ? 12 : 200;
    tg_ctx *tg = tg_open(&(tg_config){ .threads = -1 });
    bool ok = train(tg, TG_CPU, "CPU", steps);
    if (tg_cuda_open(tg, 0)) ok = ok && train(tg, TG_CUDA, tg_cuda_name(tg), steps);
    else { printf("no GPU: %s\n", tg_error_text(tg)); tg_clear(tg); }
    tg_close(tg);
    return ok ? 0 : 1;
}
