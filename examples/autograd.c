/* autograd.c - a lecture: how a program differentiates itself.

   Every tensorgrad call on a tensor that requires a gradient is written on a tape. tg_backward reads the tape from
   its end to its beginning and multiplies the derivatives of the single calls: the chain rule. Five lessons:
   numbers, a value used twice, matrices, derivatives of derivatives, and the tape itself.

       cc examples/autograd.c -o autograd && ./autograd          ends with the drawing as text for Graphviz
       ./autograd tape.dot && dot -Tsvg tape.dot > tape.svg      writes the drawing to a file

   Prints, after each lesson's title, the values and gradients that the comments here explain. */

#define TENSORGRAD_IMPLEMENTATION
#include "../tensorgrad.h"
#include <stdio.h>

/* A leaf: a number that was not computed, and whose gradient we want. */
static tg_tensor *leaf(tg_ctx *tg, const char *name, double value) {
    tg_tensor *t = tg_full(tg, TG_SCALAR, value, TG_F64);
    return tg_set_name(tg_require_grad(t, true), name);
}

static void show(const char *what, tg_tensor *t) { printf("  %-12s = %g\n", what, tg_item(t)); }

/* ---- 1. Numbers. A neuron: y = tanh(w x + b). ---- */

static tg_tensor *neuron(tg_tensor *w, tg_tensor *x, tg_tensor *b) { return tg_tanh(tg_add(tg_mul(w, x), b)); }

static void numbers(tg_ctx *tg) {
    printf("1. A neuron, y = tanh(w x + b)\n");
    tg_tensor *w = leaf(tg, "w", 0.5), *x = leaf(tg, "x", 2), *b = leaf(tg, "b", -0.5);
    tg_tensor *y = neuron(w, x, b);
    show("y", y);                                  /* tanh(0.5) = 0.462117 */
    tg_backward(y);

    /* Backwards through the three calls, with u = w x + b = 0.5:
         tanh: dy/du = 1 - y^2 = 0.786448
         add:  hands this number on to both of its operands, so dy/db = 0.786448
         mul:  d(w x)/dw = x and d(w x)/dx = w, so dy/dw = 0.786448 * 2 and dy/dx = 0.786448 * 0.5 */
    show("dy/db", tg_grad_of(b));
    show("dy/dw", tg_grad_of(w));
    show("dy/dx", tg_grad_of(x));

    /* Is it true? Move w a little and look how far y moves. No tape is needed for that. */
    const double h = 1e-5;
    bool was = tg_grad_mode(tg, false);
    double up = tg_item(neuron(tg_add_scalar(w, h), x, b)), down = tg_item(neuron(tg_add_scalar(w, -h), x, b));
    tg_grad_mode(tg, was);
    printf("  %-12s = %g\n", "measured", (up - down) / (2 * h));
}

/* ---- 2. A value used twice. ---- */

static void used_twice(tg_ctx *tg) {
    printf("2. A value used twice, z = x x + 3 x at x = 5\n");
    tg_tensor *x = leaf(tg, "x", 5);
    tg_backward(tg_add(tg_mul(x, x), tg_mul_scalar(x, 3)));
    show("dz/dx", tg_grad_of(x));                 /* three ways lead from x to z, and they add: 5 + 5 + 3 = 13 */

    /* For the same reason a second backward adds to the gradient. A training loop clears it in every step. */
    tg_backward(tg_mul_scalar(x, 100));
    show("plus 100", tg_grad_of(x));
    tg_zero_grad(x);
    tg_backward(tg_mul_scalar(x, 100));
    show("cleared", tg_grad_of(x));
}

/* ---- 3. Matrices. The loss of a linear model, sum((X W - Y)^2). ---- */

static void matrices(tg_ctx *tg) {
    printf("3. Matrices, loss = sum((X W - Y)^2)\n");
    static const float xs[] = { 1, 2,  3, 4,  5, 6 }, ys[] = { 1, 0, 2 }, ws[] = { 0.5f, -0.5f };
    tg_tensor *x = tg_from_f32(tg, TG_SHAPE(3, 2), xs), *y = tg_from_f32(tg, TG_SHAPE(3, 1), ys);
    tg_tensor *w = tg_require_grad(tg_from_f32(tg, TG_SHAPE(2, 1), ws), true);
    tg_tensor *difference = tg_sub(tg_matmul(x, w), y);                        /* [3, 1] */
    tg_tensor *loss = tg_sum(tg_square(difference));
    tg_backward(loss);
    show("loss", loss);
    tg_print(tg_grad_of(w));                       /* of the shape of W */

    /* On paper: the square gives 2 (X W - Y), the product hands on X transposed times that. */
    tg_tensor *paper = tg_mul_scalar(tg_matmul(tg_t(x), difference), 2);
    printf("  2 X'(X W - Y) is %s\n", tg_equal(paper, tg_grad_of(w)) ? "the same" : "not the same");
}

/* ---- 4. Derivatives of derivatives. ---- */

static void higher(tg_ctx *tg) {
    printf("4. x^4 at x = 2 and its derivatives 4 x^3, 12 x^2, 24 x, 24\n");
    tg_tensor *x = leaf(tg, "x", 2), *f = tg_pow_scalar(x, 4);
    show("f", f);
    for (int order = 1; order <= 4; order++) {
        /* .create_graph puts the backward pass on the tape too, so that its result can be differentiated again. */
        tg_tensor *slope = NULL;
        tg_grad(&f, 1, &x, 1, &slope, .create_graph = true);
        printf("  order %d      = %g\n", order, tg_item(slope));
        f = slope;
    }
}

/* ---- 5. The tape. ---- */

static void tape(tg_ctx *tg, const char *path) {
    static char text[8192];
    printf("5. The tape of y = tanh(w x + b), the last call first\n");
    tg_tensor *w = leaf(tg, "w", 0.5), *x = leaf(tg, "x", 2), *b = leaf(tg, "b", -0.5);
    tg_tensor *product = tg_set_name(tg_retain_grad(tg_mul(w, x)), "product");
    tg_tensor *sum = tg_set_name(tg_retain_grad(tg_add(product, b)), "sum");
    tg_tensor *y = tg_set_name(tg_tanh(sum), "y");
    tg_tape_text(y, text, sizeof text);            /* call, its result, which calls its operands come from */
    printf("%s", text);

    tg_backward(y, .retain_graph = true);          /* so that the drawing shows the gradients too */
    tg_tape_dot(y, text, sizeof text);
    FILE *out = path ? fopen(path, "w") : stdout;
    if (!out || fputs(text, out) < 0) printf("cannot write %s\n", path);
    if (out && path) fclose(out);
}

int main(int argc, char **argv) {
    tg_ctx *tg = tg_open(NULL);
    if (!tg) return 1;
    numbers(tg);
    used_twice(tg);
    matrices(tg);
    higher(tg);
    tape(tg, argc > 1 ? argv[1] : NULL);
    bool failed = tg_failed(tg);                   /* one look for all the calls: a failed one stops all later */
    tg_close(tg);
    return failed;
}
