/* Compiled and run by tests/test_places.sh in every language level: errors name the line of the call, wherever the NULL stands and however the call is spelled, and no argument is
   evaluated twice. Sees only what users see. */
#include "tensorgrad.h"
#include <stdio.h>
#include <string.h>

static int checks, bad;
static tg_ctx *tg;

/* an error is pending whose place is this line of this file */
static void placed(int line, const char *call) {
    char want[64];
    const char *text = tg_error_text(tg);
    size_t n;
    sprintf(want, "places_lines.h:%d)", line);
    n = strlen(want);
    checks++;
    if (!tg_failed(tg) || strlen(text) < n || strcmp(text + strlen(text) - n, want) != 0) { bad++; printf("FAIL line %d, %s: '%s'\n", line, call, text); }
    tg_clear(tg);
}
#define PLACED(call) do { (void)(call); placed(__LINE__, #call); } while (0)
#define IS(c) do { checks++; if (!(c)) { bad++; printf("FAIL line %d: %s\n", __LINE__, #c); } } while (0)

static bool refuses(void *user, tg_tensor *const *inputs, int n_inputs, tg_tensor **outputs, int n_outputs) {
    (void)user; (void)inputs; (void)n_inputs; (void)outputs; (void)n_outputs;
    return false;
}
static int made;
static tg_tensor *make(void) { made++; return tg_ones(tg, TG_SHAPE(2)); }

int main(void) {
    tg_tensor *a, *i, *none = NULL, *list[3], *out[2];
    tg_function_call call;
    tg_dict *d;
    int n, line;
    tg = tg_open(NULL);
    if (!tg) return 1;
    a = tg_ones(tg, TG_SHAPE(2, 2));
    i = tg_zeros(tg, TG_SHAPE(2, 2));
    /* a NULL in any place */
    PLACED(tg_matmul(none, a)); PLACED(tg_matmul(a, none));
    PLACED(tg_add(NULL, a)); PLACED(tg_add(a, NULL)); PLACED(tg_sub_(none, a));
    PLACED(tg_where(none, none, a)); PLACED(tg_where(a, none, none)); PLACED(tg_lerp(none, a, none));
    PLACED(tg_addcmul(none, none, a, 1));
    PLACED(tg_linear(none, none, a)); PLACED(tg_mse_loss(none, a)); PLACED(tg_cross_entropy(none, a));
    PLACED(tg_gather(none, 0, i)); PLACED(tg_scatter(none, 0, none, a)); PLACED(tg_index_add(none, 0, i, none));
    PLACED(tg_copy_(none, a)); PLACED(tg_equal(none, a)); PLACED(tg_swap(none, a)); PLACED(tg_share(tg, none));
    list[0] = NULL; list[1] = NULL; list[2] = a;
    PLACED(tg_cat(list, 3, 0)); PLACED(tg_stack(list, 3, 0));
    d = tg_dict_new(tg);
    PLACED(tg_dict_set(d, "a", none)); PLACED(tg_dict_set_meta(d, NULL, "v")); PLACED(tg_dict_f32(d, 3)); PLACED(tg_safetensors_save(d, "/nowhere/a.safetensors"));
    tg_dict_free(d);
    /* calls with options */
    PLACED(tg_conv2d(a, a, NULL)); PLACED(tg_conv2d(none, a, NULL)); PLACED(tg_conv2d(none, none, a));
    PLACED(tg_mse_loss(a, none)); PLACED(tg_nll_loss(none, a)); PLACED(tg_gaussian_nll_loss(a, a, none)); PLACED(tg_ctc_loss(none, none, a, a));
    PLACED(tg_backward(a));
    list[0] = a;
    PLACED(tg_grad(&a, 1, list, 1, out)); PLACED(tg_grad(&none, 1, list, 1, out)); PLACED(tg_grad(&a, 1, &none, 1, out));
    call.f = refuses; call.user = NULL; call.inputs = list; call.n_inputs = 1; call.n_outputs = 1;
    PLACED(tg_gradcheck(&call)); PLACED(tg_jacobian(&call, 0, 0)); PLACED(tg_checkpoint(&call, out));
    list[0] = NULL; list[1] = a; call.n_inputs = 2;
    PLACED(tg_gradcheck(&call)); PLACED(tg_vjp(&call, list, out, out));
#if !defined(__cplusplus) || (defined(__cpp_designated_initializers) && __cplusplus >= 202002L)
    PLACED(tg_conv2d(a, a, NULL, .padding = {1, 1}));
    PLACED(tg_huber_loss(a, a, .delta = TG_IS(-1))); PLACED(tg_smooth_l1_loss(a, a, .beta = TG_IS(-1), .reduction = TG_LOSS_SUM));
    PLACED(tg_backward(a, .retain_graph = true)); PLACED(tg_gradcheck(&call, .second = true));
#else
    {
        tg_conv2d_args padded; tg_backward_args retain; tg_gradcheck_args second;
        padded.padding[0] = padded.padding[1] = 1;
        retain.retain_graph = true;
        second.second = true;
        PLACED(tg_conv2d(a, a, NULL, padded));
        PLACED(tg_backward(a, retain)); PLACED(tg_gradcheck(&call, second));
    }
#endif
#ifndef __cplusplus
    /* literals stand in the call, without parentheses around them */
    { tg_tensor *y = tg_cat((tg_tensor *[]){ a, a }, 2, 0); IS(y && y->shape[0] == 4); }
#endif
    /* several lines: the last operand is a call of its own, on another line */
    line = __LINE__ + 1;
    (void)tg_matmul(tg_ones(tg, TG_SHAPE(2, 3)),
        tg_neg(
        tg_ones(tg, TG_SHAPE(2, 3))));
    IS(strstr(tg_error_text(tg), "matmul: inner sizes differ") != NULL);
    { char want[64]; int k, found = 0; for (k = 0; k < 3; k++) { sprintf(want, "places_lines.h:%d)", line + k); found = found || strstr(tg_error_text(tg), want); } IS(found); }
    tg_clear(tg);
    /* nothing is evaluated twice */
    IS(tg_add(make(), make()) != NULL); IS(made == 2);
    IS(tg_where(tg_gt(make(), make()), make(), make()) != NULL); IS(made == 6);
    list[0] = make(); list[1] = make(); list[2] = make();
    n = 1;
    { tg_tensor *const *at = list; tg_tensor *y = tg_cat(at++, n++, 0); IS(y && y->numel == 2 && n == 2 && at == list + 1); }
    { int64_t k = 0; tg_tensor *y = tg_softmax(make(), k++); IS(y && k == 1 && made == 10); }
    IS(tg_conv2d(NULL, NULL, NULL) == NULL && !tg_failed(tg));
    tg_close(tg);
    printf("%d checks, %d failed\n", checks, bad);
    return bad != 0;
}
