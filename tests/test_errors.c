/* Mistakes that people make, each with the exact message that it must give, its code, the gate that stays shut until tg_clear, and nothing left behind.
   The last part of a message is the caller's file and line. */
#if !defined(_GNU_SOURCE) && !defined(_WIN32)
#define _GNU_SOURCE             /* dup, fileno */
#endif
#include "test.h"
#include <math.h>
#include <unistd.h>

static tg_ctx *tg, *other;
static char case_want[1024];
static int64_t case_tensors, case_nodes;
static tg_mark case_mark;
static int case_step;

/* One mistake: for (CASE) { ... }. What it made is gone afterwards. */
static void case_begin(void) {
    tg_memory_info m = tg_memory(tg);
    case_tensors = m.live_tensors; case_nodes = m.live_nodes;
    case_mark = tg_begin(tg);
    case_step = 0;
}
static void case_end(const char *file, int line) {
    tg_memory_info m;
    tg_end(tg, case_mark);
    m = tg_memory(tg);
    test_check(m.live_tensors == case_tensors, file, line, "%.0f tensors were left behind", (double)(m.live_tensors - case_tensors));
    test_check(m.live_nodes == case_nodes, file, line, "%.0f nodes were left behind", (double)(m.live_nodes - case_nodes));
    tg_grad_mode(tg, true);
}
#define CASE case_begin(); case_step++ == 0; case_end(__FILE__, __LINE__)

static bool nothing(void *user, tg_tensor *const *inputs, int n_inputs, tg_tensor **outputs, int n_outputs) {
    (void)user; (void)inputs; (void)n_inputs; (void)outputs; (void)n_outputs;
    return true;
}
static bool refuses(void *user, tg_tensor *const *inputs, int n_inputs, tg_tensor **outputs, int n_outputs) {
    (void)user; (void)inputs; (void)n_inputs; (void)outputs; (void)n_outputs;
    return false;
}
static bool doubles(void *user, tg_tensor *const *inputs, int n_inputs, tg_tensor **outputs, int n_outputs) {
    (void)user; (void)n_inputs; (void)n_outputs;
    outputs[0] = tg_mul_scalar(inputs[0], 2);
    return outputs[0] != NULL;
}
static tg_tensor *same(void *user, tg_tensor *g) { (void)user; return g; }

/* While an error is pending everything that computes or writes says no, and the first error stays. */
static void gated(tg_ctx *c, const char *file, int line) {
    int64_t zero[1] = { 0 };
    float f[1] = { 7 };
    tg_tensor *t, *list[1];
    char *text = (char *)malloc(strlen(tg_error_text(c)) + 1);
    int number = tg_error_number(c);
    tg_error_code code = tg_error(c);
    char tape[64];
    strcpy(text, tg_error_text(c));
    tg_clear(c);
    t = tg_ones(c, TG_SHAPE(1));
    (void)tg_view(t, TG_SHAPE(5));                                     /* another error: the one under test cannot be put back, the gate is the same */
    test_check(tg_failed(c), file, line, "no error to gate with");
    list[0] = t;
    test_check(!tg_add(t, t) && !tg_add_(t, t) && !tg_neg(t) && !tg_where(t, t, t) && !tg_add_scalar(t, 1), file, line, "formulas are not gated");
    test_check(!tg_zeros(c, TG_SHAPE(1)) && !tg_empty(c, TG_SHAPE(1), TG_F32) && !tg_number(c, 1) && !tg_integer(c, 1) && !tg_rand(c, TG_SHAPE(1)) && !tg_eye(c, 1) &&
               !tg_arange(c, 0, 3, 1, TG_F32) && !tg_from_f32(c, TG_SHAPE(1), f) && !tg_wrap(c, TG_SHAPE(1), TG_F32, f) && !tg_zeros_like(t) && !tg_randint(c, 0, 2, TG_SHAPE(1)),
               file, line, "creation is not gated");
    test_check(!tg_view(t, TG_SHAPE(1)) && !tg_reshape(t, TG_SHAPE(1)) && !tg_slice(t, ":") && !tg_detach(t) && !tg_clone(t) && !tg_to(t, TG_F32) && !tg_contiguous(t) &&
               !tg_select(t, 0, 0) && !tg_squeeze(t, 0) && !tg_expand(t, TG_SHAPE(1)) && !tg_permute(t, TG_SHAPE(0)) && !tg_flatten(t, 0, 0), file, line, "views are not gated");
    test_check(!tg_sum(t) && !tg_mean(t) && !tg_max_dim(t, 0, false, NULL) && !tg_argmax(t) && !tg_matmul(t, t) && !tg_softmax(t, 0) && !tg_cat(list, 1, 0) && !tg_stack(list, 1, 0) &&
               !tg_sort(t, 0, false, NULL) && !tg_dropout(t, 0, true) && !tg_linear(t, t, NULL) && !tg_conv2d(t, t, NULL), file, line, "operations are not gated");
    test_check(!tg_copy_(t, t) && !tg_fill_(t, 3) && !tg_zero_(t) && !tg_uniform_(t, 0, 1) && !tg_set(t, zero, 9) && !tg_write(t, f, 4), file, line, "writing is not gated");
    test_check(isnan(tg_item(t)) && tg_item_i64(t) == 0 && isnan(tg_get(t, zero)) && !tg_read(t, f, 4) && !tg_read_f32(t, f, 1) && !tg_equal(t, t) && !tg_allclose(t, t, 1, 1),
               file, line, "reading values is not gated");
    test_check(!tg_require_grad(t, true) && !tg_backward(t) && !tg_retain_grad(t) && !tg_hook(t, same, NULL) && !tg_zero_grad(t), file, line, "autograd is not gated");
    test_check(!tg_dict_new(c) && !tg_npy_bytes(t) && !tg_safetensors_parse(c, f, 4) && !tg_npy_save(t, "/tmp/never"), file, line, "files are not gated");
    test_check(tg_tape(t, NULL, 0) == 0 && tg_format(t, tape, sizeof tape) > 0 && tg_format_line(t, tape, sizeof tape) > 0, file, line, "looking must work while an error is pending");
    test_check(f[0] == 7, file, line, "a gated call has written");
    tg_clear(c);
    test_check(tg_error(c) == TG_OK && tg_error_number(c) == 0 && !tg_failed(c) && tg_error_text(c)[0] == 0, file, line, "tg_clear did not clear");
    test_check(tg_item(tg_sum(tg_ones(c, TG_SHAPE(3)))) == 3, file, line, "not usable after tg_clear");
    test_check(tg_item(t) == 1, file, line, "a gated call has written into a tensor");
    test_check(number > 0 && code != TG_OK, file, line, "code %d, number %d", (int)code, number);
    free(text);
}

static void mistake(tg_ctx *c, tg_error_code code, int refused, const char *want, const char *file, int line) {
    const char *text = tg_error_text(c);
    tg_tensor *t = NULL;
    test_check(refused, file, line, "the call went through");
    test_check(tg_error(c) == code, file, line, "code %d was expected, but it is %d: %s", (int)code, (int)tg_error(c), text);
    test_check(tg_error_number(c) > 0, file, line, "no number");
    test_text(text, want, file, line);
    snprintf(case_want, sizeof case_want, "%s", text);
    t = tg_zeros(c, TG_SHAPE(2));
    test_check(!t && !tg_backward(t), file, line, "the gate is open");
    test_check(strcmp(tg_error_text(c), case_want) == 0, file, line, "a later call changed the error");
    tg_clear(c);
    test_check(tg_error(c) == TG_OK && tg_error_text(c)[0] == 0, file, line, "tg_clear did not clear");
    { tg_mark m = tg_begin(c); test_check(tg_item(tg_sum(tg_ones(c, TG_SHAPE(3)))) == 3, file, line, "not usable after tg_clear"); tg_end(c, m); }
}
#define STRING_(x) #x
#define STRING(x) STRING_(x)
#define AT(line) " (" __FILE__ ":" STRING(line) ")"
/* The call and the message without its place, which is always known. */
#define MISTAKE(code, refused, text)          mistake(tg, code, (refused) ? 1 : 0, text AT(__LINE__), __FILE__, __LINE__)
#define MISTAKE_IN(c, code, refused, text)    mistake(c, code, (refused) ? 1 : 0, text AT(__LINE__), __FILE__, __LINE__)

static tg_tensor *f32(int64_t a, int64_t b) { return b < 0 ? tg_ones(tg, TG_SHAPE(a)) : tg_ones(tg, TG_SHAPE(a, b)); }
static tg_tensor *ints(int64_t n, int64_t value) { return tg_full(tg, TG_SHAPE(n), (double)value, TG_I64); }

/* ---- shapes ---- */
static void test_shapes(void) {
    for (CASE) { tg_tensor *a = f32(2, 3), *b = f32(4, 3);
        MISTAKE(TG_ERROR_SHAPE, !tg_add(a, b), "add: shapes f32[2, 3] and f32[4, 3] do not broadcast: sizes 2 and 4 differ in dimension 0"); }
    for (CASE) { tg_tensor *a = f32(2, 3), *b = f32(3, 2);
        MISTAKE(TG_ERROR_SHAPE, !tg_mul(a, b), "mul: shapes f32[2, 3] and f32[3, 2] do not broadcast: sizes 2 and 3 differ in dimension 0; transpose one?"); }
    for (CASE) { tg_tensor *a = tg_set_name(f32(5, -1), "prices"), *b = f32(2, 3);
        MISTAKE(TG_ERROR_SHAPE, !tg_sub(a, b), "sub: shapes 'prices' f32[5] and f32[2, 3] do not broadcast: sizes 5 and 3 differ in dimension 1"); }
    for (CASE) { tg_tensor *a = f32(2, 3), *b = f32(4, 5);
        MISTAKE(TG_ERROR_SHAPE, !tg_matmul(a, b), "matmul: inner sizes differ: f32[2, 3] x f32[4, 5]"); }
    for (CASE) { tg_tensor *a = f32(2, 3), *b = f32(5, 3);
        MISTAKE(TG_ERROR_SHAPE, !tg_matmul(a, b), "matmul: inner sizes differ: f32[2, 3] x f32[5, 3]; transpose b?"); }
    for (CASE) { tg_tensor *a = f32(3, 2), *b = f32(3, 5);
        MISTAKE(TG_ERROR_SHAPE, !tg_matmul(a, b), "matmul: inner sizes differ: f32[3, 2] x f32[3, 5]; transpose a?"); }
    for (CASE) { tg_tensor *a = tg_number(tg, 2), *b = f32(3, 5);
        MISTAKE(TG_ERROR_SHAPE, !tg_matmul(a, b), "matmul: both operands need at least one dimension: f64[] x f32[3, 5]"); }
    for (CASE) { tg_tensor *a = f32(2, -1), *b = f32(3, -1);
        MISTAKE(TG_ERROR_SHAPE, !tg_matmul(a, b), "matmul: inner sizes differ: f32[2] x f32[3]"); }
    for (CASE) { tg_tensor *a = tg_ones(tg, TG_SHAPE(2, 3, 4)), *b = tg_ones(tg, TG_SHAPE(5, 4, 3));
        MISTAKE(TG_ERROR_SHAPE, !tg_matmul(a, b), "matmul: batch dimensions of f32[2, 3, 4] and f32[5, 4, 3] do not broadcast"); }
    for (CASE) { tg_tensor *x = f32(2, 3), *w = f32(4, 5), *bias = f32(4, -1);
        MISTAKE(TG_ERROR_SHAPE, !tg_linear(x, w, bias), "linear: expected [*, I] [O, I] ?[O], got f32[2, 3] f32[4, 5] f32[4]; I is 3 and 5"); }
    for (CASE) { tg_tensor *x = f32(2, 5), *w = f32(4, 5), *bias = f32(5, -1);
        MISTAKE(TG_ERROR_SHAPE, !tg_linear(x, w, bias), "linear: expected [*, I] [O, I] ?[O], got f32[2, 5] f32[4, 5] f32[5]; O is 4 and 5"); }
    for (CASE) { tg_tensor *a = f32(2, 3);
        MISTAKE(TG_ERROR_SHAPE, !tg_view(a, TG_SHAPE(4, 2)), "view: f32[2, 3] has 6 elements, which do not fill [4, 2]"); }
    for (CASE) { tg_tensor *a = f32(2, 3);
        MISTAKE(TG_ERROR_SHAPE, !tg_reshape(a, TG_SHAPE(-1, 4)), "reshape: f32[2, 3] has 6 elements, which do not fill [-1, 4]"); }
    for (CASE) { tg_tensor *a = f32(2, 3);
        MISTAKE(TG_ERROR_VALUE, !tg_reshape(a, TG_SHAPE(-1, -1)), "reshape: only one size can be -1, got [-1, -1]"); }
    for (CASE) { tg_tensor *a = tg_t(f32(2, 3));
        MISTAKE(TG_ERROR_SHAPE, !tg_view(a, TG_SHAPE(6)), "view: f32[3, 2] with these strides cannot be seen as [6] without a copy; use tg_reshape"); }
    for (CASE) { tg_tensor *a = f32(2, 3);
        MISTAKE(TG_ERROR_VALUE, !tg_permute(a, TG_DIMS(0, 0)), "permute: [0, 0] does not name every dimension of f32[2, 3] once"); }
    for (CASE) { tg_tensor *a = f32(2, 3);
        MISTAKE(TG_ERROR_VALUE, !tg_permute(a, TG_DIMS(0)), "permute: [0] does not name every dimension of f32[2, 3] once"); }
    for (CASE) { tg_tensor *a = f32(2, 3);
        MISTAKE(TG_ERROR_SHAPE, !tg_expand(a, TG_SHAPE(2, 6)), "expand: f32[2, 3] cannot be expanded to [2, 6]: dimension 1 has size 3"); }
    for (CASE) { tg_tensor *a = tg_ones(tg, TG_SHAPE(2, 3, 4));
        MISTAKE(TG_ERROR_SHAPE, !tg_t(a), "t: f32[2, 3, 4] has 3 dimensions; tg_t is for at most 2, use tg_transpose"); }
    for (CASE) { tg_tensor *a = f32(2, 3);
        MISTAKE(TG_ERROR_SHAPE, isnan(tg_item(a)), "item: f32[2, 3] does not have exactly one element"); }
    for (CASE) { tg_tensor *a = tg_zeros(tg, TG_SHAPE(0));
        MISTAKE(TG_ERROR_SHAPE, isnan(tg_item(a)), "item: f32[0] does not have exactly one element"); }
    for (CASE) { tg_tensor *list[2]; list[0] = f32(2, 3); list[1] = f32(2, 4);
        MISTAKE(TG_ERROR_SHAPE, !tg_cat(list, 2, 0), "cat: tensor 1 is f32[2, 4] and does not fit f32[2, 3]: all sizes but dimension 0 must agree"); }
    for (CASE) { tg_tensor *list[2]; list[0] = f32(2, 3); list[1] = f32(2, 4);
        MISTAKE(TG_ERROR_SHAPE, !tg_stack(list, 2, 0), "stack: tensor 1 is f32[2, 4] and does not fit f32[2, 3]: all sizes must agree"); }
    for (CASE) { tg_tensor *a = f32(2, 3), *b = f32(4, 2);
        (void)b;
        MISTAKE(TG_ERROR_SHAPE, !tg_add_(tg_sum_dims(a, TG_DIMS(0), false), a), "add_: the result has shape [2, 3] but is to be written into f32[3]"); }
    for (CASE) { tg_tensor *a = f32(1, 3), *b = f32(2, 3);
        MISTAKE(TG_ERROR_SHAPE, !tg_copy_(a, b), "copy_: the result has shape [2, 3] but is to be written into f32[1, 3]"); }
    for (CASE) { tg_tensor *a = tg_zeros(tg, TG_SHAPE(0, 3));
        MISTAKE(TG_ERROR_SHAPE, !tg_max(a), "max: dimension 0 of f32[0, 3] is empty and this reduction has no value for nothing"); }
}

/* ---- conv2d ---- */
static void test_conv(void) {
    for (CASE) { tg_tensor *x = tg_ones(tg, TG_SHAPE(1, 3, 8, 8)), *w = tg_ones(tg, TG_SHAPE(4, 1, 3, 3));
        MISTAKE(TG_ERROR_SHAPE, !tg_conv2d(x, w, NULL), "conv2d: x f32[1, 3, 8, 8] has 3 channels; weight f32[4, 1, 3, 3] with 1 groups expects 1"); }
    for (CASE) { tg_tensor *x = tg_ones(tg, TG_SHAPE(1, 28)), *w = tg_ones(tg, TG_SHAPE(4, 1, 3, 3));
        MISTAKE(TG_ERROR_SHAPE, !tg_conv2d(x, w, NULL), "conv2d: expected x [N, C, H, W] or [C, H, W] and weight [O, C/groups, KH, KW], got f32[1, 28] and f32[4, 1, 3, 3]"); }
    for (CASE) { tg_tensor *x = tg_ones(tg, TG_SHAPE(1, 4, 8, 8)), *w = tg_ones(tg, TG_SHAPE(3, 2, 3, 3));
        MISTAKE(TG_ERROR_VALUE, !tg_conv2d(x, w, NULL, .groups = 2), "conv2d: 3 output channels cannot be divided into 2 groups"); }
    for (CASE) { tg_tensor *x = tg_ones(tg, TG_SHAPE(1, 1, 2, 2)), *w = tg_ones(tg, TG_SHAPE(3, 1, 3, 3));
        MISTAKE(TG_ERROR_SHAPE, !tg_conv2d(x, w, NULL), "conv2d: the kernel of f32[3, 1, 3, 3] is larger than the padded x f32[1, 1, 2, 2]"); }
    for (CASE) { tg_tensor *x = tg_ones(tg, TG_SHAPE(1, 1, 5, 5)), *w = tg_ones(tg, TG_SHAPE(3, 1, 3, 3)), *b = f32(4, -1);
        MISTAKE(TG_ERROR_SHAPE, !tg_conv2d(x, w, b), "conv2d: bias is f32[4], expected [3]"); }
    for (CASE) { tg_tensor *x = tg_ones(tg, TG_SHAPE(1, 1, 5, 5)), *w = tg_ones(tg, TG_SHAPE(3, 1, 3, 3));
        MISTAKE(TG_ERROR_VALUE, !tg_conv2d(x, w, NULL, .padding = { -1, 0 }), "conv2d: padding cannot be -1"); }
    for (CASE) { tg_tensor *x = tg_ones(tg, TG_SHAPE(1, 1, 5, 5)), *w = tg_ones(tg, TG_SHAPE(3, 1, 3, 3));
        MISTAKE(TG_ERROR_VALUE, !tg_conv2d(x, w, NULL, .stride = { 1, -2 }), "conv2d: stride cannot be -2"); }
    for (CASE) { tg_tensor *x = tg_full(tg, TG_SHAPE(1, 1, 5, 5), 1, TG_I64), *w = tg_full(tg, TG_SHAPE(3, 1, 3, 3), 1, TG_I64);
        MISTAKE(TG_ERROR_DTYPE, !tg_conv2d(x, w, NULL), "conv2d: expected a floating type, got i64[1, 1, 5, 5]; tg_to it first"); }
    for (CASE) { tg_tensor *x = tg_ones(tg, TG_SHAPE(1, 1, 5, 5)), *w = tg_to(tg_ones(tg, TG_SHAPE(3, 1, 3, 3)), TG_F64);
        MISTAKE(TG_ERROR_DTYPE, !tg_conv2d(x, w, NULL), "conv2d: operands need one dtype: f32[1, 1, 5, 5] and f64[3, 1, 3, 3]; tg_to one of them"); }
    for (CASE) { tg_tensor *w = tg_ones(tg, TG_SHAPE(3, 1, 3, 3));
        MISTAKE(TG_ERROR_NULL, !tg_conv2d(NULL, w, NULL), "conv2d: operand 0 is NULL"); }
}

/* ---- dtypes ---- */
static void test_dtypes(void) {
    for (CASE) { tg_tensor *a = ints(3, 1);
        MISTAKE(TG_ERROR_DTYPE, !tg_mean(a), "mean: expected a floating type, got i64[3]; tg_to it first"); }
    for (CASE) { tg_tensor *a = ints(3, 1);
        MISTAKE(TG_ERROR_DTYPE, !tg_softmax(a, 0), "softmax: expected a floating type, got i64[3]; tg_to it first"); }
    for (CASE) { tg_tensor *a = ints(3, 1);
        MISTAKE(TG_ERROR_DTYPE, !tg_dropout(a, 0.5, true), "dropout: expected a floating type, got i64[3]; tg_to it first"); }
    for (CASE) { tg_tensor *a = ints(3, 1);
        MISTAKE(TG_ERROR_DTYPE, !tg_require_grad(a, true), "require_grad: only floating tensors can require a gradient, got i64[3]"); }
    for (CASE) { tg_tensor *a = ints(3, 1);
        MISTAKE(TG_ERROR_DTYPE, !tg_exp_(a), "exp_: the result is f32 and cannot be written into i64[3]"); }
    for (CASE) { tg_tensor *a = ints(3, 1), *b = f32(3, -1);
        MISTAKE(TG_ERROR_DTYPE, !tg_add_(a, b), "add_: the result is f32 and cannot be written into i64[3]"); }
    for (CASE) { tg_tensor *a = f32(2, 2), *b = tg_full(tg, TG_SHAPE(2, 2), 1, TG_F64);
        MISTAKE(TG_ERROR_DTYPE, !tg_matmul(a, b), "matmul: operands need one dtype: f32[2, 2] and f64[2, 2]; tg_to one of them"); }
    for (CASE) { tg_tensor *a = tg_full(tg, TG_SHAPE(3), 1, TG_BOOL);
        MISTAKE(TG_ERROR_DTYPE, !tg_neg(a), "neg: not defined for bool"); }
    for (CASE) { tg_tensor *a = tg_full(tg, TG_SHAPE(2), 1, TG_BOOL), *b = tg_full(tg, TG_SHAPE(2), 1, TG_BOOL);
        MISTAKE(TG_ERROR_DTYPE, !tg_sub(a, b), "sub: not defined for bool"); }
    for (CASE) { tg_tensor *c = f32(3, -1), *a = f32(3, -1);
        MISTAKE(TG_ERROR_DTYPE, !tg_where(c, a, a), "where: the condition must be bool, got f32[3]"); }
    for (CASE) { tg_tensor *a = f32(3, 3), *index = f32(2, -1);
        MISTAKE(TG_ERROR_DTYPE, !tg_index_select(a, 0, index), "index_select: indices are i64 or i32, got f32[2]"); }
    for (CASE) { MISTAKE(TG_ERROR_DTYPE, !tg_empty(tg, TG_SHAPE(3), (tg_dtype)42), "empty: there is no dtype 42"); }
    for (CASE) { tg_tensor *a = f32(3, -1);
        MISTAKE(TG_ERROR_DTYPE, !tg_to(a, (tg_dtype)-1), "to: there is no dtype -1"); }
    for (CASE) { tg_tensor *a = ints(3, 1);
        MISTAKE(TG_ERROR_DTYPE, !tg_uniform_(a, 0, 1), "uniform_: expected a floating type, got i64[3]; tg_to it first"); }
    for (CASE) { tg_tensor *x = f32(2, 3), *target = f32(2, -1);
        MISTAKE(TG_ERROR_DTYPE, !tg_cross_entropy(x, target), "cross_entropy: indices are i64 or i32, got f32[2]"); }
}

/* ---- dims, indices, slices ---- */
static void test_indices(void) {
    int64_t at[2];
    for (CASE) { tg_tensor *a = f32(2, 3);
        MISTAKE(TG_ERROR_VALUE, !tg_sum_dims(a, TG_DIMS(2), false), "sum: dim 2 is out of range for f32[2, 3]: expected -2 to 1"); }
    for (CASE) { tg_tensor *a = f32(2, 3);
        MISTAKE(TG_ERROR_VALUE, !tg_sum_dims(a, TG_DIMS(1, -1), false), "sum: dim 1 is named twice"); }
    for (CASE) { tg_tensor *a = f32(2, 3);
        MISTAKE(TG_ERROR_VALUE, !tg_softmax(a, 5), "softmax: dim 5 is out of range for f32[2, 3]: expected -2 to 1"); }
    for (CASE) { tg_tensor *a = f32(2, 3);
        MISTAKE(TG_ERROR_VALUE, !tg_transpose(a, 0, 2), "transpose: dim 2 is out of range for f32[2, 3]: expected -2 to 1"); }
    for (CASE) { tg_tensor *a = f32(2, 3);
        MISTAKE(TG_ERROR_VALUE, !tg_unsqueeze(a, 3), "unsqueeze: dim 3 is out of range for f32[2, 3]: expected -3 to 2"); }
    for (CASE) { tg_tensor *a = f32(2, 3);
        MISTAKE(TG_ERROR_VALUE, !tg_select(a, 0, 2), "select: index 2 is out of range for dimension 0 of f32[2, 3]"); }
    for (CASE) { tg_tensor *a = f32(2, 3);
        MISTAKE(TG_ERROR_VALUE, !tg_narrow(a, 1, 2, 2), "narrow: start 2 and length 2 do not fit in dimension 1 of f32[2, 3]"); }
    for (CASE) { tg_tensor *a = f32(2, 3);
        MISTAKE(TG_ERROR_VALUE, !tg_slice_dim(a, 0, 0, 2, 0), "slice_dim: step cannot be 0"); }
    for (CASE) { tg_tensor *a = f32(2, 3);
        MISTAKE(TG_ERROR_VALUE, !tg_slice(a, "0:2, x"), "slice: cannot read \"0:2, x\" at character 5"); }
    for (CASE) { tg_tensor *a = f32(2, 3);
        MISTAKE(TG_ERROR_VALUE, !tg_slice(a, "1, 2, 3"), "slice: \"1, 2, 3\" has more indices than f32[2, 3] has dimensions"); }
    for (CASE) { tg_tensor *a = f32(2, 3);
        MISTAKE(TG_ERROR_VALUE, !tg_slice(a, "5"), "slice: index 5 is out of range for dimension 0 of f32[2, 3]"); }
    for (CASE) { tg_tensor *a = f32(2, 3);
        MISTAKE(TG_ERROR_VALUE, !tg_slice(a, "::0"), "slice: step cannot be 0"); }
    for (CASE) { tg_tensor *a = f32(2, 3);
        at[0] = 1; at[1] = 3;
        MISTAKE(TG_ERROR_VALUE, isnan(tg_get(a, at)), "get: index 3 is out of range for dimension 1 of f32[2, 3]"); }
    for (CASE) { tg_tensor *a = f32(2, 3);
        at[0] = -3; at[1] = 0;
        MISTAKE(TG_ERROR_VALUE, !tg_set(a, at, 1), "set: index -3 is out of range for dimension 0 of f32[2, 3]"); }
    for (CASE) { tg_tensor *a = f32(3, 3), *index = ints(2, 3);
        MISTAKE(TG_ERROR_VALUE, !tg_index_select(a, 0, index), "index_select: index 3 (element 0 of the indices) is out of range: dimension 0 of f32[3, 3]"); }
    for (CASE) { tg_tensor *x = f32(2, 3), *target = tg_arange(tg, 2, 4, 1, TG_I64);
        MISTAKE(TG_ERROR_VALUE, !tg_cross_entropy(x, target), "cross_entropy: class 3 (element 1 of the target) is out of range: logits f32[2, 3] have 3 classes"); }
    for (CASE) { tg_tensor *x = f32(2, 3), *target = tg_arange(tg, 0, 3, 1, TG_I64);
        MISTAKE(TG_ERROR_SHAPE, !tg_cross_entropy(x, target), "cross_entropy: expected [N, C] [N], got f32[2, 3] i64[3]; N is 2 and 3"); }
    for (CASE) { tg_tensor *x = f32(3, 2), *index = ints(3, 0);
        MISTAKE(TG_ERROR_SHAPE, !tg_gather(x, 0, index), "gather: index i64[3] does not fit f32[3, 2]"); }
    for (CASE) { tg_tensor *x = f32(2, 3);
        int64_t shape[1] = { 7 }, stride[1] = { 1 };
        MISTAKE(TG_ERROR_VALUE, !tg_as_strided(x, 1, shape, stride, 0), "as_strided: shape [7] reaches outside of the storage of 6 elements"); }
    for (CASE) { tg_tensor *x = ints(2, 5);
        MISTAKE(TG_ERROR_VALUE, !tg_one_hot(x, 4), "one_hot: index 5 (element 0 of the indices) is out of range: dimension 1 of i64[2, 4]"); }
    for (CASE) { tg_tensor *x = tg_number(tg, 5);
        MISTAKE(TG_ERROR_VALUE, !tg_select(x, 0, 0), "select: f64[] has no dimensions"); }
}

/* ---- sizes and values ---- */
static void test_null_shapes(void) {
    for (CASE) { MISTAKE(TG_ERROR_NULL, !tg_zeros(tg, 2, NULL), "zeros: no shape given"); }
    for (CASE) { tg_tensor *a = f32(2, 3);
        MISTAKE(TG_ERROR_NULL, !tg_view(a, 2, NULL), "view: no shape given"); }
    for (CASE) { tg_tensor *a = f32(2, 3);
        MISTAKE(TG_ERROR_NULL, !tg_sum_dims(a, 2, NULL, false), "sum: no dims given"); }
    for (CASE) { tg_tensor *a = f32(2, 3);
        MISTAKE(TG_ERROR_NULL, !tg_permute(a, 2, NULL), "permute: no dims given"); }
}
static void test_values(void) {
    float f[4] = { 1, 2, 3, 4 };
    for (CASE) { MISTAKE(TG_ERROR_VALUE, !tg_zeros(tg, TG_SHAPE(2, -3)), "zeros: size -3 in dimension 1: sizes cannot be negative"); }
    for (CASE) { MISTAKE(TG_ERROR_VALUE, !tg_zeros(tg, TG_SHAPE(INT64_C(4000000000), INT64_C(4000000000))), "zeros: shape [4000000000, 4000000000] has more elements than can be addressed"); }
    for (CASE) { MISTAKE(TG_ERROR_VALUE, !tg_zeros(tg, TG_SHAPE(INT64_C(1) << 62)), "zeros: shape [4611686018427387904] has more elements than can be addressed"); }
    for (CASE) { int64_t shape[9] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 };
        MISTAKE(TG_ERROR_SHAPE, !tg_zeros(tg, 9, shape), "zeros: 9 dimensions, at most 8 are possible"); }
    for (CASE) { MISTAKE(TG_ERROR_SHAPE, !tg_zeros(tg, -1, NULL), "zeros: -1 dimensions, at most 8 are possible"); }
    for (CASE) { MISTAKE(TG_ERROR_NULL, !tg_from_f32(tg, TG_SHAPE(3), NULL), "from_f32: no data given"); }
    for (CASE) { MISTAKE(TG_ERROR_NULL, !tg_wrap(tg, TG_SHAPE(3), TG_F32, NULL), "wrap: no data given"); }
    for (CASE) { tg_tensor *a = f32(2, 3);
        MISTAKE(TG_ERROR_VALUE, !tg_read(a, f, sizeof f), "read: 16 bytes given, f32[2, 3] has 24"); }
    for (CASE) { tg_tensor *a = f32(2, 3);
        MISTAKE(TG_ERROR_VALUE, !tg_read_f32(a, f, 4), "read_f32: 4 elements given, f32[2, 3] has 6"); }
    for (CASE) { tg_tensor *a = f32(2, 3);
        MISTAKE(TG_ERROR_VALUE, !tg_write(a, f, sizeof f), "write: 16 bytes given, f32[2, 3] has 24"); }
    for (CASE) { tg_tensor *a = f32(3, -1);
        MISTAKE(TG_ERROR_VALUE, !tg_dropout(a, 1.5, true), "dropout: probability 1.5 is not between 0 and 1"); }
    for (CASE) { tg_tensor *a = tg_full(tg, TG_SHAPE(3), 2, TG_F32);
        MISTAKE(TG_ERROR_VALUE, !tg_bernoulli(a), "bernoulli: probability 2.0 is not between 0 and 1"); }
    for (CASE) { MISTAKE(TG_ERROR_VALUE, !tg_randint(tg, 5, 5, TG_SHAPE(2)), "randint: high: expected more than low, got 5.0"); }
    for (CASE) { MISTAKE(TG_ERROR_VALUE, !tg_arange(tg, 0, 5, 0, TG_F32), "arange: step cannot be 0"); }
    for (CASE) { MISTAKE(TG_ERROR_VALUE, !tg_arange(tg, 0, 5, -1, TG_F32), "arange: steps of -1.0 lead from 0.0 away from the end, 5.0"); }
    for (CASE) { MISTAKE(TG_ERROR_VALUE, !tg_arange(tg, 0, (double)INFINITY, 1, TG_F32), "arange: start, end and step must be finite, got 0.0, inf and 1.0"); }
    for (CASE) { MISTAKE(TG_ERROR_VALUE, !tg_eye(tg, -2), "eye: size -2 in dimension 0: sizes cannot be negative"); }
    for (CASE) { tg_tensor *a = ints(3, 7), *b = ints(3, 0);
        MISTAKE(TG_ERROR_VALUE, !tg_floor_divide(a, b), "floor_divide: integer division by zero"); }
    for (CASE) { tg_tensor *a = ints(3, 7);
        MISTAKE(TG_ERROR_VALUE, !tg_remainder(a, tg_integer(tg, 0)), "remainder: integer division by zero"); }
    for (CASE) { tg_tensor *a = ints(3, 7), *b = ints(3, 0);
        MISTAKE(TG_ERROR_VALUE, !tg_fmod_(a, b), "fmod_: integer division by zero"); }
}

/* ---- contexts, scopes, NULL ---- */
static void test_lifetimes(void) {
    for (CASE) { tg_tensor *a = f32(3, -1), *b = tg_ones(other, TG_SHAPE(3));
        MISTAKE(TG_ERROR_CONTEXT, !tg_add(a, b), "add: operand 1 belongs to another context");
        CHECK(!tg_failed(other)); }
    for (CASE) { tg_tensor *list[2]; list[0] = f32(3, -1); list[1] = tg_ones(other, TG_SHAPE(3));
        MISTAKE(TG_ERROR_CONTEXT, !tg_cat(list, 2, 0), "cat: operand 1 belongs to another context"); }
    for (CASE) { tg_tensor *a = tg_to(f32(3, -1), TG_F16), *b = tg_to(tg_ones(other, TG_SHAPE(3)), TG_F16);
        MISTAKE(TG_ERROR_CONTEXT, !tg_index_add(a, 0, ints(3, 0), b), "index_add: operand 2 belongs to another context"); }
    for (CASE) { tg_tensor *a = f32(3, -1), *b; tg_mark m = tg_begin(tg);
        b = tg_neg(a);
        tg_end(tg, m);
        MISTAKE(TG_ERROR_DEAD, !tg_add(a, b), "add: operand 1 was made by 'neg' and its scope has ended; tg_keep it or tg_end_with it"); }
    for (CASE) { tg_tensor *b; tg_mark m = tg_begin(tg);
        b = tg_ones(tg, TG_SHAPE(3));
        tg_end(tg, m);
        MISTAKE(TG_ERROR_DEAD, !tg_neg(b), "neg: operand 0 was made by 'ones' and its scope has ended; tg_keep it or tg_end_with it"); }
    for (CASE) { tg_tensor *b; tg_mark m = tg_begin(tg);
        b = tg_matmul(f32(2, 2), f32(2, 2));
        tg_end(tg, m);
        MISTAKE(TG_ERROR_DEAD, isnan(tg_item(b)), "item: operand 0 was made by 'matmul' and its scope has ended; tg_keep it or tg_end_with it"); }
    for (CASE) { tg_tensor *b; tg_mark m = tg_begin(tg);
        b = tg_sum(tg_require_grad(f32(2, 2), true));
        tg_end(tg, m);
        MISTAKE(TG_ERROR_DEAD, !tg_backward(b), "backward: operand 0 was made by 'sum' and its scope has ended; tg_keep it or tg_end_with it"); }
    for (CASE) { tg_tensor *b; tg_mark m = tg_begin(tg);
        b = tg_ones(tg, TG_SHAPE(3));
        tg_end(tg, m);
        m = tg_begin(tg);
        MISTAKE(TG_ERROR_DEAD, !tg_end_with(tg, m, b), "end_with: operand 2 was made by 'ones' and its scope has ended; tg_keep it or tg_end_with it"); }
    for (CASE) { tg_tensor *b = tg_ones(other, TG_SHAPE(3)); tg_mark m = tg_begin(tg);
        MISTAKE(TG_ERROR_CONTEXT, !tg_end_with(tg, m, b), "end_with: operand 2 belongs to another context"); CHECK(!tg_failed(other)); }
    for (CASE) { tg_tensor *a = f32(3, -1);
        MISTAKE(TG_ERROR_NULL, !tg_add(a, NULL), "add: operand 1 is NULL"); }
    for (CASE) { tg_tensor *a = f32(3, -1);
        (void)tg_zeros(tg, TG_SHAPE(1));
        MISTAKE(TG_ERROR_NULL, !tg_sub_(NULL, a), "sub_: operand 0 is NULL"); }
    for (CASE) { tg_tensor *w = f32(3, 3);
        MISTAKE(TG_ERROR_NULL, !tg_linear(NULL, w, NULL), "linear: operand 0 is NULL"); }
    for (CASE) { tg_tensor *w = f32(3, 3);
        MISTAKE(TG_ERROR_NULL, !tg_linear(w, NULL, NULL), "linear: operand 1 is NULL"); }
    for (CASE) { tg_tensor *w = ints(3, 0);
        MISTAKE(TG_ERROR_NULL, !tg_cross_entropy(NULL, w), "cross_entropy: operand 0 is NULL"); }
    for (CASE) { tg_tensor *w = f32(3, 3);
        MISTAKE(TG_ERROR_NULL, !tg_equal(w, NULL), "equal: operand 1 is NULL"); }
    for (CASE) { tg_tensor *w = f32(3, 3);
        MISTAKE(TG_ERROR_NULL, !tg_equal(NULL, w), "equal: operand 0 is NULL"); }
    for (CASE) { tg_tensor *w = f32(3, 3);
        MISTAKE(TG_ERROR_NULL, !tg_matmul(NULL, w), "matmul: operand 0 is NULL"); }
    for (CASE) { tg_tensor *list[2]; list[0] = NULL; list[1] = f32(3, 3);
        MISTAKE(TG_ERROR_NULL, !tg_cat(list, 2, 0), "cat: operand 0 is NULL"); }
    for (CASE) { tg_tensor *list[2]; list[1] = NULL; list[0] = f32(3, 3);
        MISTAKE(TG_ERROR_NULL, !tg_stack(list, 2, 0), "stack: operand 1 is NULL"); }
    for (CASE) { tg_tensor *a = f32(3, 3);
        MISTAKE(TG_ERROR_NULL, !tg_slice(a, NULL), "slice: no text given"); }
    CHECK(!tg_add(NULL, NULL) && !tg_matmul(NULL, NULL) && isnan(tg_item(NULL)) && !tg_backward(NULL) && !tg_zeros(NULL, TG_SHAPE(2)));   /* nowhere to record it */
    CHECK(!tg_sum(NULL) && !tg_view(NULL, TG_SHAPE(1)) && !tg_detach(NULL) && !tg_cat(NULL, 0, 0) && !tg_hook(NULL, same, NULL) && !tg_zero_grad(NULL));
    CHECK(tg_failed(NULL) && tg_error(NULL) == TG_ERROR_NULL);
    CHECK_OK(tg);
}

/* ---- gradients ---- */
static int first_line;
static void test_gradients(void) {
    char want[1024];
    for (CASE) { tg_tensor *a = f32(3, -1);
        MISTAKE(TG_ERROR_GRAD, !tg_backward(tg_sum(a)), "backward: f32[] does not require a gradient: nothing that led to it does"); }
    for (CASE) { tg_tensor *a = tg_require_grad(f32(3, -1), true), *y;
        tg_grad_mode(tg, false);
        y = tg_sum(a);
        MISTAKE(TG_ERROR_GRAD, !tg_backward(y), "backward: f32[] was computed while the grad mode was off, so nothing of it was recorded; compute it with tg_grad_mode(tg, true)"); }
    for (CASE) { tg_tensor *a = tg_require_grad(f32(3, -1), true), *y, *z, *one = f32(3, -1);
        tg_grad_mode(tg, false);
        y = tg_reshape(tg_add(one, tg_mul_scalar(a, 2)), TG_SHAPE(3, 1));
        z = tg_sum(tg_square(tg_ones(tg, TG_SHAPE(2))));                   /* the mode is off, but nothing needs a gradient */
        tg_grad_mode(tg, true);
        MISTAKE(TG_ERROR_GRAD, !tg_backward(tg_sum(tg_exp(y))), "backward: f32[] was computed while the grad mode was off, so nothing of it was recorded; compute it with tg_grad_mode(tg, true)");      /* however long ago it was */
        MISTAKE(TG_ERROR_GRAD, !tg_backward(z), "backward: f32[] does not require a gradient: nothing that led to it does");
        MISTAKE(TG_ERROR_GRAD, !tg_backward(tg_sum(tg_detach(tg_mul(a, a)))), "backward: f32[] does not require a gradient: nothing that led to it does");
        MISTAKE(TG_ERROR_GRAD, !tg_hook(y, same, NULL), "hook: f32[3, 1] was computed while the grad mode was off, so nothing of it was recorded; compute it with tg_grad_mode(tg, true)");
        MISTAKE(TG_ERROR_GRAD, !tg_grad_of(y), "grad_of: f32[3, 1] was computed while the grad mode was off, so nothing of it was recorded; compute it with tg_grad_mode(tg, true)");
        CHECK(tg_backward(tg_sum(tg_mul(tg_exp(tg_reshape(y, TG_SHAPE(3))), a)))); }      /* something else needs one: as torch */
    for (CASE) { tg_tensor *w = tg_set_name(tg_require_grad(f32(3, -1), true), "w"), *y = tg_mul_scalar(w, 2), *x = tg_set_name(f32(2, -1), "x"), *kept = tg_retain_grad(tg_exp(w)); tg_mark m;
        MISTAKE(TG_ERROR_GRAD, !tg_grad_of(w), "grad_of: 'w' f32[3] has no gradient: no backward has reached it since it was made or cleared");
        MISTAKE(TG_ERROR_GRAD, !tg_grad_of(y), "grad_of: f32[3] has no gradient: it is the result of 'mul'; tg_retain_grad it before the backward");
        MISTAKE(TG_ERROR_GRAD, !tg_grad_of(x), "grad_of: 'x' f32[2] has no gradient: it does not require one; tg_require_grad it before it is used");
        CHECK(!tg_has_grad(w) && !tg_has_grad(y) && !tg_has_grad(x) && !tg_has_grad(NULL) && !tg_grad_of(NULL));
        CHECK_OK(tg);
        CHECK(tg_backward(tg_sum(tg_add(y, kept))));
        CHECK(tg_grad_of(w) == w->grad && w->grad && tg_has_grad(w) && tg_grad_of(kept) && tg_item(tg_sum(tg_grad_of(kept))) == 3);
        CHECK(!tg_add(w, NULL));                                             /* a pending error: reading works, nothing is changed */
        CHECK(tg_grad_of(NULL) == NULL && tg_grad_of(w) == w->grad && !tg_grad_of(x) && tg_has_grad(w));
        CHECK(tg_error_number(tg) == 2); CHECK_ERROR(tg, TG_ERROR_NULL);
        CHECK(tg_zero_grad(w) && !tg_has_grad(w));
        MISTAKE(TG_ERROR_GRAD, !tg_sub_(x, tg_grad_of(w)), "grad_of: 'w' f32[3] has no gradient: no backward has reached it since it was made or cleared");
        m = tg_begin(tg); x = f32(2, -1); tg_end(tg, m);
        MISTAKE(TG_ERROR_DEAD, !tg_grad_of(x), "grad_of: operand 0 was made by 'ones' and its scope has ended; tg_keep it or tg_end_with it");
        CHECK(!tg_has_grad(x)); }
    for (CASE) { tg_tensor *a = tg_require_grad(f32(3, -1), true), *y = tg_mul_scalar(a, 2);
        MISTAKE(TG_ERROR_GRAD, !tg_backward(y), "backward: f32[3] has more than one element; give .gradient, or sum it first"); }
    for (CASE) { tg_tensor *a = tg_require_grad(f32(3, -1), true), *y = tg_mul_scalar(a, 2), *g = f32(4, -1);
        MISTAKE(TG_ERROR_SHAPE, !tg_backward(y, .gradient = g), "backward: gradient f32[4] for a result of shape f32[3]"); }
    for (CASE) { tg_tensor *a = tg_require_grad(f32(3, -1), true), *y = tg_sum(tg_square(a));
        CHECK(tg_backward(y));
        MISTAKE(TG_ERROR_GRAD, !tg_backward(y), "backward: the graph behind 'square' was already used and its saved values are gone; pass .retain_graph = true the first time"); }
    for (CASE) { tg_tensor *a = tg_require_grad(f32(3, -1), true);
        MISTAKE(TG_ERROR_GRAD, tg_add_scalar(a, 1) && !tg_mul_(a, a), "mul_: f32[3] is a leaf that requires a gradient; write to it only with the grad mode off"); }
    for (CASE) { tg_tensor *a = tg_require_grad(f32(3, -1), true), *row = tg_narrow(a, 0, 1, 1);
        MISTAKE(TG_ERROR_GRAD, !tg_zero_(row), "fill_: f32[3] is a leaf that requires a gradient; write to it only with the grad mode off"); }
    for (CASE) { tg_tensor *a = tg_expand(f32(1, -1), TG_SHAPE(3));
        MISTAKE(TG_ERROR_SHAPE, !tg_add_(a, a), "add_: f32[3] has elements that share memory (expanded, or overlapping strides); clone it before writing into it"); }
    for (CASE) { tg_tensor *a = tg_expand(f32(1, -1), TG_SHAPE(3)); int64_t at[1] = { 0 };
        MISTAKE(TG_ERROR_SHAPE, !tg_set(a, at, 3), "set: f32[3] has elements that share memory (expanded, or overlapping strides); clone it before writing into it"); }
    for (CASE) { tg_tensor *a = tg_require_grad(f32(3, -1), true), *y = tg_mul_scalar(a, 2);
        MISTAKE(TG_ERROR_GRAD, !tg_require_grad(y, false), "require_grad: f32[3] is the result of 'mul', not a leaf; detach it first"); }
    for (CASE) { tg_tensor *a = tg_require_grad(f32(3, -1), true), *b = tg_require_grad(f32(3, -1), true), *y = tg_sum(a), *g[2], *in[2];
        in[0] = a; in[1] = b;
        MISTAKE(TG_ERROR_GRAD, !tg_grad(&y, 1, in, 2, g), "grad: input 1 (f32[3]) is not reached from the outputs; .allow_unused = true gives NULL for it");
        CHECK(!g[0] && !g[1]); }
    for (CASE) { tg_tensor *a = tg_require_grad(f32(3, -1), true), *b = f32(3, -1), *y = tg_sum(tg_mul(a, b)), *g;
        MISTAKE(TG_ERROR_GRAD, !tg_grad(&y, 1, &b, 1, &g), "grad: input 0 (f32[3]) does not require a gradient; tg_require_grad it before it is used"); }
    for (CASE) { tg_tensor *a = f32(3, -1);
        MISTAKE(TG_ERROR_GRAD, !tg_hook(a, same, NULL), "hook: f32[3] does not require a gradient: nothing that led to it does"); }
    for (CASE) { tg_tensor *a = tg_require_grad(f32(3, -1), true);
        MISTAKE(TG_ERROR_VALUE, !tg_hook(a, NULL, NULL), "hook: the function is NULL"); }
    for (CASE) { tg_tensor *a = tg_require_grad(f32(3, -1), true), *y, *z; int l1, l2;
        y = tg_mul_scalar(a, 2);
        z = tg_sum(tg_square(y)); l1 = __LINE__;
        (void)tg_add_scalar(y, 1); CHECK(tg_exp_(y) != NULL); l2 = __LINE__;
        CHECK(!tg_backward(z)); first_line = __LINE__;
        snprintf(want, sizeof want, "backward: 'square' called at %s:%d needs a value for its gradient that was overwritten afterwards by 'exp_' at %s:%d; use the out-of-place form there (%s:%d)",
                 __FILE__, l1, __FILE__, l2, __FILE__, first_line);
        mistake(tg, TG_ERROR_GRAD, 1, want, __FILE__, __LINE__); }
    for (CASE) { tg_tensor *a = tg_require_grad(f32(3, -1), true), *y = tg_exp(a), *z = tg_sum(y); int l1 = __LINE__, l2;
        int64_t at[1] = { 0 };
        CHECK(tg_set(y, at, 5)); l2 = __LINE__;
        CHECK(!tg_backward(z)); first_line = __LINE__;
        snprintf(want, sizeof want, "backward: 'exp' called at %s:%d needs a value for its gradient that was overwritten afterwards by 'set' at %s:%d; use the out-of-place form there (%s:%d)",
                 __FILE__, l1, __FILE__, l2, __FILE__, first_line);
        mistake(tg, TG_ERROR_GRAD, 1, want, __FILE__, __LINE__); }
    for (CASE) { tg_tensor *a = tg_require_grad(tg_zeros(tg, TG_SHAPE(2)), true), *y;
        int l;
        tg_anomaly(tg, true);
        y = tg_log(a); l = __LINE__;
        snprintf(want, sizeof want, "log: the result of 'log' called at %s:%d has the first infinity, at element 0 of f32[2] (%s:%d)", __FILE__, l, __FILE__, l);
        mistake(tg, TG_ERROR_NUMERIC, y == NULL, want, __FILE__, l);
        tg_anomaly(tg, false); }
    for (CASE) { tg_tensor *a = f32(3, -1); tg_function_call c = { refuses, NULL, &a, 1, 1 }; tg_tensor *out[1];
        MISTAKE(TG_ERROR_VALUE, (a = tg_neg(a), !tg_checkpoint(&c, out)), "checkpoint: the function returned false without an error"); }
    for (CASE) { tg_tensor *a = f32(3, -1); tg_function_call c = { nothing, NULL, &a, 1, 1 }; tg_tensor *out[1];
        MISTAKE(TG_ERROR_VALUE, (a = tg_neg(a), !tg_checkpoint(&c, out)), "checkpoint: the function gave no tensor for output 0"); }
    for (CASE) { tg_tensor *a = f32(3, -1), *v = f32(3, -1), *h; tg_function_call c = { doubles, NULL, &a, 1, 1 };
        MISTAKE(TG_ERROR_GRAD, (a = tg_neg(a), !tg_hvp(&c, &v, NULL, &h)), "hvp: f32[3] has more than one element; give .gradient, or sum it first"); }
    for (CASE) { tg_tensor *a = f32(3, -1); tg_function_call c = { doubles, NULL, &a, 1, 1 };
        MISTAKE(TG_ERROR_VALUE, (a = tg_neg(a), !tg_jacobian(&c, 1, 0)), "jacobian: output 1 by input 0; the function has 1 outputs and 1 inputs"); }
    for (CASE) { tg_tensor *a = f32(3, -1), *v = f32(4, -1), *out, *r; tg_function_call c = { doubles, NULL, &a, 1, 1 };
        MISTAKE(TG_ERROR_SHAPE, (a = tg_neg(a), !tg_vjp(&c, &v, &out, &r)), "vjp: gradient f32[4] for a result of shape f32[3]"); }
}

/* ---- what is made of other functions, and their families: each names what was expected and what came ---- */
static void test_made(void) {
    tg_tensor *pieces[8];
    for (CASE) { tg_tensor *a = f32(2, 3), *b = f32(4, -1); MISTAKE(TG_ERROR_SHAPE, (!tg_add_scaled(a, b, 2)), "add_scaled: shapes f32[2, 3] and f32[4] do not broadcast: sizes 3 and 4 differ in dimension 1"); }
    for (CASE) { tg_tensor *a = f32(3, -1), *b = f32(3, -1); MISTAKE(TG_ERROR_DTYPE, (!tg_bitwise_and(a, b)), "bitwise_and: not defined for f32"); }
    for (CASE) { tg_tensor *a = tg_full(tg, TG_SHAPE(2), 1, TG_BOOL), *b = tg_full(tg, TG_SHAPE(2), 1, TG_BOOL); MISTAKE(TG_ERROR_DTYPE, (!tg_bitwise_left_shift(a, b)), "bitwise_left_shift: not defined for bool"); }
    for (CASE) { tg_tensor *a = ints(2, 3), *b = tg_integer(tg, -2); MISTAKE(TG_ERROR_VALUE, (!tg_pow(a, b)), "pow: integers to the power of -2 are no integers"); }
    for (CASE) { tg_tensor *a = ints(2, 1), *b = ints(2, 3), *c = ints(2, 0); MISTAKE(TG_ERROR_DTYPE, (!tg_lerp(a, b, c)), "lerp: expected a floating type, got i64[2]; tg_to it first"); }
    for (CASE) { tg_tensor *a = ints(2, 3); MISTAKE(TG_ERROR_VALUE, (!tg_floor_divide_scalar(a, 0)), "floor_divide: integer division by zero"); }
    for (CASE) { MISTAKE(TG_ERROR_VALUE, (!tg_full(tg, TG_SHAPE(2), 1000, TG_U8)), "full: 1000.0 cannot be stored as u8"); }
    for (CASE) { tg_tensor *a = f32(2, -1); MISTAKE(TG_ERROR_VALUE, (!tg_clamp_tensor(a, NULL, NULL)), "clamp: a lower or an upper bound is expected; both are NULL"); }
    for (CASE) { tg_tensor *a = ints(2, 1); MISTAKE(TG_ERROR_DTYPE, (!tg_round_decimals(a, 2)), "round: expected a floating type, got i64[2]; tg_to it first"); }
    for (CASE) { tg_tensor *a = f32(2, -1), *b = ints(2, 1); MISTAKE(TG_ERROR_DTYPE, (!tg_heaviside(a, b)), "heaviside: operands need one dtype: f32[2] and i64[2]"); }
    for (CASE) { tg_tensor *a = f32(2, -1), *b = f32(2, -1); MISTAKE(TG_ERROR_VALUE, (!tg_isclose(a, b, -1, 0, false)), "isclose: rtol or atol: expected at least 0, got -1.0"); }
    for (CASE) { tg_tensor *a = f32(2, -1); MISTAKE(TG_ERROR_VALUE, (!tg_celu(a, 0)), "celu: alpha is 0, and x is divided by it"); }
    for (CASE) { tg_tensor *a = f32(4, 3), *b = f32(4, -1); MISTAKE(TG_ERROR_SHAPE, (!tg_prelu(a, b)), "prelu: weight is f32[4]; expected [], [1] or [3], one for each channel of x [N, C, ...], f32[4, 3]"); }
    for (CASE) { tg_tensor *a = f32(2, -1); MISTAKE(TG_ERROR_VALUE, (!tg_rrelu(a, 0.5, 0.25, true)), "rrelu: upper: expected at least lower, got 0.25"); }
    for (CASE) { tg_tensor *a = f32(2, 3); MISTAKE(TG_ERROR_SHAPE, (!tg_glu(a, 1)), "glu: dimension 1 of f32[2, 3] has no halves: an even size is expected"); }
    for (CASE) { tg_tensor *a = tg_number(tg, 1); MISTAKE(TG_ERROR_VALUE, (!tg_glu(a, 0)), "glu: f64[] has no dimensions"); }
    for (CASE) { tg_tensor *a = ints(2, 1), *b = ints(2, 1); MISTAKE(TG_ERROR_DTYPE, (!tg_logaddexp2(a, b)), "logaddexp2: expected a floating type, got i64[2]; tg_to it first"); }
    for (CASE) { tg_tensor *a = f32(4, 3), *b = f32(4, -1); MISTAKE(TG_ERROR_SHAPE, (!tg_batch_norm(a, b, NULL, NULL, NULL, true, 0.1, 1e-5)), "batch_norm: running_mean is f32[4]; expected [3], one for each channel"); }
    for (CASE) { tg_tensor *a = f32(4, 3), *b = f32(3, -1); MISTAKE(TG_ERROR_NULL, (!tg_batch_norm(a, b, NULL, NULL, NULL, false, 0.1, 1e-5)), "batch_norm: running_var is NULL; without the input's own statistics the running ones are needed"); }
    for (CASE) { tg_tensor *a = f32(1, 3); MISTAKE(TG_ERROR_VALUE, (!tg_batch_norm(a, NULL, NULL, NULL, NULL, true, 0.1, 1e-5)), "batch_norm: f32[1, 3] has 1 values for each channel; more than 1 are needed to take statistics of"); }
    for (CASE) { tg_tensor *a = f32(3, -1); MISTAKE(TG_ERROR_SHAPE, (!tg_batch_norm(a, NULL, NULL, NULL, NULL, true, 0.1, 1e-5)), "batch_norm: x is f32[3]; expected [N, C, ...]"); }
    for (CASE) { tg_tensor *a = tg_to(f32(4, 3), TG_I32); MISTAKE(TG_ERROR_DTYPE, (!tg_batch_norm(a, NULL, NULL, NULL, NULL, true, 0.1, 1e-5)), "batch_norm: expected a floating type, got i32[4, 3]; tg_to it first"); }
    for (CASE) { tg_tensor *a = f32(4, 3); MISTAKE(TG_ERROR_SHAPE, (!tg_instance_norm(a, NULL, NULL, NULL, NULL, true, 0.1, 1e-5)), "instance_norm: x is f32[4, 3]; expected [N, C, L, ...]"); }
    for (CASE) { tg_tensor *a = f32(4, 3); MISTAKE(TG_ERROR_SHAPE, (!tg_layer_norm(a, TG_SHAPE(4), NULL, NULL, 1e-5)), "layer_norm: normalized_shape [4] does not name the last sizes of x, f32[4, 3]"); }
    for (CASE) { tg_tensor *a = f32(4, 3), *b = f32(4, -1); MISTAKE(TG_ERROR_SHAPE, (!tg_layer_norm(a, TG_SHAPE(3), NULL, b, 1e-5)), "layer_norm: bias is f32[4]; expected the normalized shape, [3]"); }
    for (CASE) { tg_tensor *a = f32(4, 3); MISTAKE(TG_ERROR_VALUE, (!tg_layer_norm(a, 0, NULL, NULL, NULL, 1e-5)), "layer_norm: normalized_shape has 0 sizes; those of at least one dimension are expected"); }
    for (CASE) { tg_tensor *a = f32(4, 3), *b = f32(3, 1); MISTAKE(TG_ERROR_SHAPE, (!tg_rms_norm(a, TG_SHAPE(3), b, -1)), "rms_norm: weight is f32[3, 1]; expected the normalized shape, [3]"); }
    for (CASE) { tg_tensor *a = f32(2, 6); MISTAKE(TG_ERROR_VALUE, (!tg_group_norm(a, 4, NULL, NULL, 1e-5)), "group_norm: 4 groups do not divide the 6 channels of f32[2, 6]"); }
    for (CASE) { tg_tensor *a = f32(6, -1); MISTAKE(TG_ERROR_SHAPE, (!tg_group_norm(a, 2, NULL, NULL, 1e-5)), "group_norm: x is f32[6]; expected [N, C, ...]"); }
    for (CASE) { tg_tensor *a = tg_to(f32(2, 3), TG_I32); MISTAKE(TG_ERROR_DTYPE, (!tg_rand_like(a)), "rand_like: expected a floating type, got i32[2, 3]; tg_to it first"); }
    for (CASE) { tg_tensor *a = tg_to(f32(2, 3), TG_I32); MISTAKE(TG_ERROR_DTYPE, (!tg_randn_like(a)), "randn_like: expected a floating type, got i32[2, 3]; tg_to it first"); }
    for (CASE) { tg_tensor *a = f32(2, 3); MISTAKE(TG_ERROR_SHAPE, (!tg_local_response_norm(a, 2, 1e-4, 0.75, 1)), "local_response_norm: x is f32[2, 3]; expected [N, C, L, ...]"); }
    for (CASE) { tg_tensor *a = tg_ones(tg, TG_SHAPE(1, 2, 3)); MISTAKE(TG_ERROR_VALUE, (!tg_local_response_norm(a, 0, 1e-4, 0.75, 1)), "local_response_norm: size: expected at least 1, got 0.0"); }
    for (CASE) { tg_tensor *a = f32(2, 3); MISTAKE(TG_ERROR_VALUE, (!tg_logsumexp(a, TG_DIMS(2), false)), "logsumexp: dim 2 is out of range for f32[2, 3]: expected -2 to 1"); }
    for (CASE) { tg_tensor *a = ints(3, 1); MISTAKE(TG_ERROR_DTYPE, (!tg_norm(a, 2, 0, NULL, false)), "norm: expected a floating type, got i64[3]; tg_to it first"); }
    for (CASE) { tg_tensor *a = tg_zeros(tg, TG_SHAPE(0)); MISTAKE(TG_ERROR_SHAPE, (!tg_norm(a, (double)INFINITY, 0, NULL, false)), "norm: dimension 0 of f32[0] is empty and this reduction has no value for nothing"); }
    for (CASE) { tg_tensor *a = f32(3, -1); MISTAKE(TG_ERROR_SHAPE, (!tg_renorm(a, 2, 0, 1)), "renorm: x is f32[3]; at least two dimensions are expected"); }
    for (CASE) { tg_tensor *a = f32(2, 3); MISTAKE(TG_ERROR_VALUE, (!tg_renorm(a, 0, 0, 1)), "renorm: p: expected above 0, got 0.0"); }
    for (CASE) { tg_tensor *a = ints(3, 1); MISTAKE(TG_ERROR_DTYPE, (!tg_nanmean(a, 0, NULL, false)), "nanmean: expected a floating type, got i64[3]; tg_to it first"); }
    for (CASE) { tg_tensor *a = ints(0, 1); MISTAKE(TG_ERROR_SHAPE, (!tg_median(a)), "median: i64[0] has no elements, and its type no NaN to say so"); }
    for (CASE) { tg_tensor *a = tg_zeros(tg, TG_SHAPE(2, 0)); MISTAKE(TG_ERROR_SHAPE, (!tg_median_dim(a, 1, false, NULL)), "median: dimension 1 of f32[2, 0] is empty and this reduction has no value for nothing"); }
    for (CASE) { tg_tensor *a = f32(3, -1); MISTAKE(TG_ERROR_VALUE, (!tg_diff(a, -1, 0, NULL, NULL)), "diff: n: expected at least 0, got -1.0"); }
    for (CASE) { tg_tensor *a = tg_number(tg, 2); MISTAKE(TG_ERROR_VALUE, (!tg_diff(a, 1, 0, NULL, NULL)), "diff: f64[] has no dimensions"); }
    for (CASE) { tg_tensor *a = f32(2, 3), *b = f32(4, -1); MISTAKE(TG_ERROR_SHAPE, (!tg_trapezoid(a, b, 1, -1)), "trapezoid: x is f32[4]; expected 3 places along dimension 1 of y, f32[2, 3]"); }
    for (CASE) { tg_tensor *a = f32(2, 3), *b = f32(2, 3); MISTAKE(TG_ERROR_DTYPE, (!tg_masked_fill(a, b, 0)), "masked_fill: the condition must be bool, got f32[2, 3]"); }
    for (CASE) { tg_tensor *a = f32(2, 3), *b = tg_full(tg, TG_SHAPE(2), 1, TG_BOOL); MISTAKE(TG_ERROR_SHAPE, (!tg_masked_fill(a, b, 0)), "masked_fill: shapes bool[2] and f32[2, 3] do not broadcast: sizes 2 and 3 differ in dimension 1"); }
    for (CASE) { tg_tensor *a = f32(2, 3), *b = ints(1, 2); MISTAKE(TG_ERROR_VALUE, (!tg_index_fill(a, 0, b, 0)), "index_fill: index 2 (element 0 of the indices) is out of range: dimension 0 of f32[2, 3]"); }
    for (CASE) { tg_tensor *a = f32(2, 3), *b = ints(1, 1), *c = tg_to(f32(1, 3), TG_F64); MISTAKE(TG_ERROR_DTYPE, (!tg_index_copy(a, 0, b, c)), "index_copy: operands need one dtype: f32[2, 3] and f64[1, 3]"); }
    for (CASE) { tg_tensor *a = f32(2, 3), *b = f32(2, -1); MISTAKE(TG_ERROR_DTYPE, (!tg_take(a, b)), "take: indices are i64 or i32, got f32[2]"); }
    for (CASE) { tg_tensor *a = f32(2, 3), *b = ints(2, 6); MISTAKE(TG_ERROR_VALUE, (!tg_take(a, b)), "take: index 6 (element 0 of the indices) is out of range: dimension 0 of f32[6]"); }
    for (CASE) { tg_tensor *a = f32(2, 3), *b = ints(2, 0); MISTAKE(TG_ERROR_SHAPE, (!tg_take_along_dim(a, b, 0)), "take_along_dim: index i64[2] does not fit f32[2, 3]"); }
    for (CASE) { tg_tensor *a = f32(2, 3); MISTAKE(TG_ERROR_VALUE, (!tg_topk(a, 4, 1, true, NULL)), "topk: k is 4; expected 0 to 3, the size of dimension 1 of f32[2, 3]"); }
    for (CASE) { tg_tensor *a = f32(2, 3); MISTAKE(TG_ERROR_VALUE, (!tg_kthvalue(a, 0, 1, false, NULL)), "kthvalue: k is 0; expected 1 to 3, the size of dimension 1 of f32[2, 3]"); }
    for (CASE) { tg_tensor *a = ints(2, 5), *b = f32(4, 3); MISTAKE(TG_ERROR_VALUE, (!tg_embedding(a, b)), "embedding: index 5 (element 0 of the indices) is out of range: dimension 0 of f32[4, 3]"); }
    for (CASE) { tg_tensor *a = ints(2, 1), *b = f32(4, -1); MISTAKE(TG_ERROR_SHAPE, (!tg_embedding(a, b)), "embedding: weight is f32[4]; expected [V, D]"); }
    for (CASE) { tg_tensor *a = ints(2, 1), *b = f32(4, 3); MISTAKE(TG_ERROR_VALUE, (!tg_embedding(a, b, .padding_idx = TG_IS(4))), "embedding: padding_idx is 4; expected one of the 4 rows of weight"); }
    for (CASE) { tg_tensor *a = f32(2, 3), *b = f32(3, -1); MISTAKE(TG_ERROR_SHAPE, (!tg_mm(a, b)), "mm: expected factors of 2 and 2 dimensions, got f32[2, 3] and f32[3]"); }
    for (CASE) { tg_tensor *a = tg_ones(tg, TG_SHAPE(2, 3, 4)), *b = tg_ones(tg, TG_SHAPE(3, 4, 5)); MISTAKE(TG_ERROR_SHAPE, (!tg_bmm(a, b)), "bmm: expected as many matrices in one as in the other, got f32[2, 3, 4] and f32[3, 4, 5]"); }
    for (CASE) { tg_tensor *a = f32(2, 3), *b = f32(2, -1); MISTAKE(TG_ERROR_SHAPE, (!tg_mv(a, b)), "mv: inner sizes differ: f32[2, 3] x f32[2]"); }
    for (CASE) { tg_tensor *a = f32(3, -1), *b = tg_to(f32(3, -1), TG_F64); MISTAKE(TG_ERROR_DTYPE, (!tg_dot(a, b)), "dot: operands need one dtype: f32[3] and f64[3]; tg_to one of them"); }
    for (CASE) { tg_tensor *a = f32(3, -1), *b = f32(4, -1); MISTAKE(TG_ERROR_SHAPE, (!tg_dot(a, b)), "dot: inner sizes differ: f32[3] x f32[4]"); }
    for (CASE) { tg_tensor *a = f32(2, 3), *b = f32(2, 4); MISTAKE(TG_ERROR_SHAPE, (!tg_inner(a, b)), "inner: the last sizes of f32[2, 3] and f32[2, 4] differ"); }
    for (CASE) { tg_tensor *a = f32(5, -1), *b = f32(2, 3), *c = f32(3, 4); MISTAKE(TG_ERROR_SHAPE, (!tg_addmm(a, b, c, 1, 1)), "addmm: f32[5] cannot be expanded to [2, 4]: dimension 0 has size 5"); }
    for (CASE) { tg_tensor *a = f32(4, -1), *b = f32(2, 3), *c = f32(3, 4); MISTAKE(TG_ERROR_SHAPE, (!tg_addmm_(a, b, c, 1, 1)), "addmm_: the result has shape [2, 4] but is to be written into f32[4]"); }
    for (CASE) { tg_tensor *a = tg_to(f32(2, 4), TG_F64), *b = f32(2, 3), *c = f32(3, 4); MISTAKE(TG_ERROR_DTYPE, (!tg_addmm(a, b, c, 1, 1)), "addmm: operands need one dtype: f64[2, 4] and f32[2, 3]; tg_to one of them"); }
    for (CASE) { tg_tensor *a = ints(1, 1), *b = ints(2, 1), *c = ints(3, 1); MISTAKE(TG_ERROR_VALUE, (!tg_addr(a, b, c, 0.5, 1)), "addr: the factor 0.5 of integers must be a whole number"); }
    for (CASE) { tg_tensor *a = f32(2, 3), *b = f32(3, 4); MISTAKE(TG_ERROR_VALUE, (!tg_einsum("ij,jk->ix", (tg_tensor *[]){a, b}, 2)), "einsum: letter x of the result is in no operand of \"ij,jk->ix\""); }
    for (CASE) { tg_tensor *a = f32(2, 3); MISTAKE(TG_ERROR_SHAPE, (!tg_einsum("ijk->i", (tg_tensor *[]){a}, 1)), "einsum: \"ijk->i\" gives 3 letters to operand 0, f32[2, 3]"); }
    for (CASE) { tg_tensor *a = f32(2, 3), *b = f32(4, 5); MISTAKE(TG_ERROR_SHAPE, (!tg_einsum("ij,jk->ik", (tg_tensor *[]){a, b}, 2)), "einsum: letter j of \"ij,jk->ik\" has size 4 in operand 1, f32[4, 5], and 3 before it"); }
    for (CASE) { tg_tensor *a = f32(2, -1); MISTAKE(TG_ERROR_VALUE, (!tg_einsum("i,j", (tg_tensor *[]){a}, 1)), "einsum: \"i,j\" is for more operands than the 1 that were given"); }
    for (CASE) { tg_tensor *a = f32(2, -1); MISTAKE(TG_ERROR_VALUE, (!tg_einsum("i+j", (tg_tensor *[]){a}, 1)), "einsum: cannot read \"i+j\" at character 1"); }
    for (CASE) { tg_tensor *a = f32(2, 3), *b = f32(2, 3); MISTAKE(TG_ERROR_SHAPE, (!tg_tensordot(a, b, 1)), "tensordot: dimension 1 of f32[2, 3] and dimension 0 of f32[2, 3] differ in size"); }
    for (CASE) { tg_tensor *a = f32(2, 3), *b = f32(2, 3); MISTAKE(TG_ERROR_VALUE, (!tg_tensordot(a, b, 3)), "tensordot: 3 dimensions cannot be contracted of f32[2, 3] and f32[2, 3]"); }
    for (CASE) { tg_tensor *a = f32(2, 3), *b = f32(3, 4), *c = f32(5, 6); MISTAKE(TG_ERROR_SHAPE, (!tg_multi_dot((tg_tensor *[]){a, b, c}, 3)), "multi_dot: inner sizes differ: f32[3, 4] x f32[5, 6]"); }
    for (CASE) { tg_tensor *a = f32(2, 3); MISTAKE(TG_ERROR_VALUE, (!tg_multi_dot((tg_tensor *[]){a}, 1)), "multi_dot: expected at least two tensors, and at most 4096, got 1"); }
    for (CASE) { tg_tensor *a = f32(2, 3); MISTAKE(TG_ERROR_SHAPE, (!tg_matrix_power(a, 2)), "matrix_power: expected square matrices [..., N, N], got f32[2, 3]"); }
    for (CASE) { tg_tensor *a = f32(3, 3); MISTAKE(TG_ERROR_VALUE, (!tg_matrix_power(a, -1)), "matrix_power: the exponent is -1; expected at least 0, there is no inverse of matrices here"); }
    for (CASE) { tg_tensor *a = f32(2, 4), *b = f32(2, 4); MISTAKE(TG_ERROR_SHAPE, (!tg_cross(a, b)), "cross: no dimension of f32[2, 4] has size 3"); }
    for (CASE) { tg_tensor *a = f32(2, 3), *b = f32(2, 3); MISTAKE(TG_ERROR_SHAPE, (!tg_cross_dim(a, b, 0)), "cross: expected size 3 in dimension 0 of both, got f32[2, 3] and f32[2, 3]"); }
    for (CASE) { tg_tensor *a = f32(3, -1); MISTAKE(TG_ERROR_VALUE, (!tg_linalg_vander(a, 1)), "linalg_vander: at least 2 columns are expected, got 1"); }
    for (CASE) { tg_tensor *a = tg_ones(tg, TG_SHAPE(2, 2, 2)); MISTAKE(TG_ERROR_SHAPE, (!tg_cov(a)), "cov: expected at most two dimensions, variables and observations, got f32[2, 2, 2]"); }
    for (CASE) { tg_tensor *a = f32(2, 3), *b = ints(2, 1); MISTAKE(TG_ERROR_SHAPE, (!tg_cov(a, .fweights = b)), "cov: fweights: expected [3], one for each observation, got i64[2]"); }
    for (CASE) { tg_tensor *a = f32(2, 3), *b = f32(2, 4); MISTAKE(TG_ERROR_SHAPE, (!tg_cdist(a, b, 2, TG_CDIST_AUTO)), "cdist: expected points [..., P, M] and [..., R, M], got f32[2, 3] and f32[2, 4]"); }
    for (CASE) { tg_tensor *a = f32(2, 3), *b = f32(2, 3); MISTAKE(TG_ERROR_VALUE, (!tg_cdist(a, b, -1, TG_CDIST_AUTO)), "cdist: p: expected at least 0, got -1.0"); }
    for (CASE) { tg_tensor *a = f32(2, 3), *b = f32(2, 4), *c = tg_ones(tg, TG_SHAPE(5, 3, 3)); MISTAKE(TG_ERROR_SHAPE, (!tg_bilinear(a, b, c, NULL)), "bilinear: expected [..., I], [..., J] and weight [O, I, J], got f32[2, 3], f32[2, 4] and f32[5, 3, 3]"); }
    for (CASE) { tg_tensor *a = f32(2, 3); MISTAKE(TG_ERROR_VALUE, (!tg_flatten(a, 1, 0)), "flatten: start_dim 1 comes after end_dim 0 of f32[2, 3]"); }
    for (CASE) { tg_tensor *a = f32(2, 3); MISTAKE(TG_ERROR_SHAPE, (!tg_repeat(a, TG_DIMS(2))), "repeat: 1 repeats for f32[2, 3]: one for each dimension is expected"); }
    for (CASE) { tg_tensor *a = f32(2, 3); MISTAKE(TG_ERROR_VALUE, (!tg_tile(a, TG_DIMS(2, -1))), "tile: repeats cannot be negative, got [2, -1]"); }
    for (CASE) { tg_tensor *a = f32(2, 3), *b = ints(2, 1); MISTAKE(TG_ERROR_SHAPE, (!tg_repeat_interleave_dim(a, b, 1)), "repeat_interleave_dim: repeats are i64[2]: one is expected, or 3, the size of dimension 1 of f32[2, 3]"); }
    for (CASE) { tg_tensor *a = f32(2, -1), *b = tg_integer(tg, -1); MISTAKE(TG_ERROR_VALUE, (!tg_repeat_interleave(a, b)), "repeat_interleave: repeats cannot be negative, got -1 at place 0"); }
    for (CASE) { tg_tensor *a = f32(2, 3); MISTAKE(TG_ERROR_VALUE, (!tg_roll(a, TG_DIMS(1, 2), TG_DIMS(0))), "roll: 2 shifts and 1 dims: one shift for each dim is expected, or one alone"); }
    for (CASE) { tg_tensor *a = f32(3, -1); MISTAKE(TG_ERROR_SHAPE, (!tg_fliplr(a)), "fliplr: f32[3] has too few dimensions: at least 2 are expected"); }
    for (CASE) { tg_tensor *a = f32(2, 3); MISTAKE(TG_ERROR_VALUE, (!tg_hsplit(a, 2, pieces)), "hsplit: dimension 1 of f32[2, 3] cannot be divided into 2 equal sections"); }
    for (CASE) { tg_tensor *a = f32(2, 3); MISTAKE(TG_ERROR_SHAPE, (!tg_dsplit(a, 3, pieces)), "dsplit: f32[2, 3] has too few dimensions: at least 3 are expected"); }
    for (CASE) { tg_tensor *a = f32(2, 3); MISTAKE(TG_ERROR_VALUE, (!tg_chunk(a, 0, 0, pieces, 4)), "chunk: number of chunks: expected at least 1, got 0.0"); }
    for (CASE) { tg_tensor *a = f32(9, 3); MISTAKE(TG_ERROR_VALUE, (!tg_unbind(a, 0, pieces, 4)), "unbind: f32[9, 3] makes 9 pieces, and there is room for 4"); }
    for (CASE) { tg_tensor *a = f32(2, 3); MISTAKE(TG_ERROR_SHAPE, (!tg_split_sizes(a, TG_DIMS(2, 2), 1, pieces)), "split_sizes: the sizes of the pieces, [2, 2], do not add up to 3, dimension 1 of f32[2, 3]"); }
    for (CASE) { tg_tensor *a = f32(2, 3); MISTAKE(TG_ERROR_VALUE, (!tg_unflatten(a, 1, 0, NULL)), "unflatten: 0 sizes for dimension 1 of f32[2, 3]; at least one is expected"); }
    for (CASE) { tg_tensor *a = f32(2, 6); MISTAKE(TG_ERROR_SHAPE, (!tg_unflatten(a, 1, TG_DIMS(4, -1))), "unflatten: sizes [4, -1] do not multiply to 6, the size of dimension 1 of f32[2, 6]"); }
    for (CASE) { tg_tensor *a = f32(2, 3); MISTAKE(TG_ERROR_VALUE, (!tg_movedim(a, TG_DIMS(0, 1), TG_DIMS(0, 0))), "movedim: dim 0 is named twice"); }
    for (CASE) { tg_tensor *a = f32(2, 3), *b = f32(4, -1); MISTAKE(TG_ERROR_SHAPE, (!tg_broadcast_tensors((tg_tensor *[]){a, b}, 2, pieces)), "broadcast_tensors: shapes f32[2, 3] and f32[4] do not broadcast: sizes 3 and 4 differ in dimension 1"); }
    for (CASE) { tg_tensor *a = f32(2, 3); MISTAKE(TG_ERROR_VALUE, (!tg_diagonal(a, 0, 1, 1)), "diagonal: dim 1 is named twice"); }
    for (CASE) { tg_tensor *a = f32(3, -1); MISTAKE(TG_ERROR_SHAPE, (!tg_tril(a, 0)), "tril: f32[3] is no matrix: at least two dimensions are expected"); }
    for (CASE) { tg_tensor *a = f32(2, 3); MISTAKE(TG_ERROR_VALUE, (!tg_unfold(a, 1, 4, 1)), "unfold: windows of size 4 do not lie within dimension 1 of f32[2, 3]"); }
    for (CASE) { tg_tensor *a = f32(2, 3); MISTAKE(TG_ERROR_VALUE, (!tg_unfold(a, 1, 2, 0)), "unfold: step: expected at least 1, got 0.0"); }
    for (CASE) { tg_tensor *a = f32(2, 3); MISTAKE(TG_ERROR_SHAPE, (!tg_combinations(a, 2, false)), "combinations: one dimension is expected, got f32[2, 3]"); }
    for (CASE) { MISTAKE(TG_ERROR_DTYPE, (!tg_tril_indices(tg, 3, 3, 0, TG_F32)), "tril_indices: expected i64 or i32, got f32"); }
    for (CASE) { MISTAKE(TG_ERROR_VALUE, (!tg_linspace(tg, 0, 1, -1, TG_F32)), "linspace: number of steps: expected at least 0, got -1.0"); }
    for (CASE) { tg_tensor *a = tg_full(tg, TG_SHAPE(2), 1, TG_BOOL); MISTAKE(TG_ERROR_VALUE, (!tg_randint_like(a, 0, 5)), "randint_like: a bool holds numbers from 0 to 1, got 0 to 4"); }
    for (CASE) { tg_tensor *a = tg_full(tg, TG_SHAPE(2), 1, TG_U8); MISTAKE(TG_ERROR_VALUE, (!tg_randint_like(a, 0, 500)), "randint_like: 499.0 cannot be stored as u8"); }
    for (CASE) { MISTAKE(TG_ERROR_VALUE, (!tg_randperm(tg, -3)), "randperm: n: expected at least 0, got -3.0"); }
    for (CASE) { tg_tensor *a = f32(2, -1), *b = tg_number(tg, -1); MISTAKE(TG_ERROR_VALUE, (!tg_normal(a, b)), "normal: every std: expected at least 0, got -1.0"); }
    for (CASE) { tg_tensor *a = f32(3, -1); MISTAKE(TG_ERROR_VALUE, (!tg_multinomial(a, 4, false)), "multinomial: 4 samples without replacement of 3 classes"); }
    for (CASE) { tg_tensor *a = tg_neg(f32(3, -1)); MISTAKE(TG_ERROR_VALUE, (!tg_multinomial(a, 1, true)), "multinomial: a probability is negative, infinite or not a number"); }
    for (CASE) { tg_tensor *a = f32(2, -1); MISTAKE(TG_ERROR_VALUE, (!tg_uniform_(a, 2, 1)), "uniform_: high: expected at least low, got 1.0"); }
    for (CASE) { tg_tensor *a = f32(2, 3); MISTAKE(TG_ERROR_VALUE, (!tg_rot90(a, 1, 0, 0)), "rot90: turning takes two different dimensions of f32[2, 3], got 0 and 0"); }
    for (CASE) { tg_tensor *a = f32(2, 3), *b = f32(2, -1); MISTAKE(TG_ERROR_SHAPE, (!tg_meshgrid((tg_tensor *[]){a, b}, 2, false, pieces)), "meshgrid: tensor 0 is f32[2, 3]; at most one dimension is expected"); }
    for (CASE) { tg_tensor *a = f32(2, 3); MISTAKE(TG_ERROR_VALUE, (!tg_split(a, 0, 0, pieces, 4)), "split: pieces of size 0 cannot fill dimension 0 of f32[2, 3]"); }
    for (CASE) { tg_tensor *a = f32(3, -1); MISTAKE(TG_ERROR_SHAPE, (!tg_trace(a)), "trace: f32[3] is no matrix: two dimensions are expected"); }
    for (CASE) { tg_tensor *a = tg_full(tg, TG_SHAPE(0), 0, TG_I64); MISTAKE(TG_ERROR_VALUE, (!tg_one_hot(a, -1)), "one_hot: the number of classes cannot be taken from i64[0]: nothing is in it"); }
    for (CASE) { tg_tensor *a = f32(2, -1), *b = f32(2, -1); MISTAKE(TG_ERROR_VALUE, (!tg_smooth_l1_loss(a, b, .beta = TG_IS(-1))), "smooth_l1_loss: beta must not be negative, got -1.0"); }
    for (CASE) { tg_tensor *a = f32(2, -1), *b = f32(2, -1); MISTAKE(TG_ERROR_VALUE, (!tg_huber_loss(a, b, .delta = TG_IS(-1))), "huber_loss: delta must be above 0, got -1.0"); }
    for (CASE) { tg_tensor *a = f32(2, -1), *b = f32(2, -1); MISTAKE(TG_ERROR_VALUE, (!tg_mse_loss(a, b, .reduction = TG_LOSS_BATCHMEAN)), "mse_loss: the reduction must be TG_LOSS_MEAN, TG_LOSS_SUM or TG_LOSS_NONE, got 3"); }
    for (CASE) { tg_tensor *a = f32(2, -1), *b = f32(2, -1), *c = f32(3, -1); MISTAKE(TG_ERROR_SHAPE, (!tg_mse_loss(a, b, .weight = c)), "mse_loss: weight is f32[3] and must have the shape of x, f32[2]"); }
    for (CASE) { tg_tensor *a = tg_full(tg, TG_SHAPE(2), 2, TG_F32), *b = f32(2, -1); MISTAKE(TG_ERROR_VALUE, (!tg_binary_cross_entropy(a, b)), "binary_cross_entropy: all elements of x must lie in [0, 1]; for logits there is tg_binary_cross_entropy_with_logits"); }
    for (CASE) { tg_tensor *a = f32(2, -1), *b = f32(3, -1); MISTAKE(TG_ERROR_SHAPE, (!tg_binary_cross_entropy_with_logits(a, b)), "binary_cross_entropy_with_logits: target is f32[3] and must have the shape of x, f32[2]"); }
    for (CASE) { tg_tensor *a = f32(2, 3), *b = ints(3, 1); MISTAKE(TG_ERROR_SHAPE, (!tg_nll_loss(a, b)), "nll_loss: expected x [N, C, ...] and target [N, ...], or [C] and [], got f32[2, 3] and i64[3]"); }
    for (CASE) { tg_tensor *a = f32(2, 3), *b = ints(2, 3); MISTAKE(TG_ERROR_VALUE, (!tg_nll_loss(a, b)), "nll_loss: index 3 (element 0 of the indices) is out of range: dimension 1 of f32[2, 3]"); }
    for (CASE) { tg_tensor *a = f32(2, 3), *b = ints(2, 1); MISTAKE(TG_ERROR_VALUE, (!tg_cross_entropy(a, b, .label_smoothing = 2)), "cross_entropy: label_smoothing must lie in [0, 1], got 2.0"); }
    for (CASE) { tg_tensor *a = f32(2, 3), *b = ints(2, 1), *c = f32(2, -1); MISTAKE(TG_ERROR_SHAPE, (!tg_cross_entropy(a, b, .weight = c)), "cross_entropy: weight is f32[2]; expected one for each of the 3 classes of f32[2, 3]"); }
    for (CASE) { tg_tensor *a = f32(2, 3), *b = ints(2, 1); MISTAKE(TG_ERROR_VALUE, (!tg_multi_margin_loss(a, b, .p = 3)), "multi_margin_loss: p must be 1 or 2, got 3.0"); }
    for (CASE) { tg_tensor *a = f32(2, 3), *b = f32(2, 3), *c = f32(2, 3); MISTAKE(TG_ERROR_VALUE, (!tg_triplet_margin_loss(a, b, c, .margin = -1)), "triplet_margin_loss: the margin must be above 0, got -1.0"); }
    for (CASE) { tg_tensor *a = f32(2, -1), *b = f32(2, -1), *c = tg_neg(f32(2, -1)); MISTAKE(TG_ERROR_VALUE, (!tg_gaussian_nll_loss(a, b, c)), "gaussian_nll_loss: var has negative elements: all must be at least 0, got -1.0"); }
    for (CASE) { tg_tensor *a = f32(2, 3), *b = f32(2, 3), *c = tg_integer(tg, 1); MISTAKE(TG_ERROR_SHAPE, (!tg_cosine_embedding_loss(a, b, c)), "cosine_embedding_loss: expected x1 [N, D], x2 [N, D] and target [N], or all without N, got f32[2, 3], f32[2, 3] and i64[]"); }
    for (CASE) { tg_tensor *a = tg_ones(tg, TG_SHAPE(4, 1, 3)), *b = tg_full(tg, TG_SHAPE(1, 2), 1, TG_I64), *c = ints(1, 5), *d = ints(1, 2); MISTAKE(TG_ERROR_VALUE, (!tg_ctc_loss(a, b, c, d)), "ctc_loss: element 0 of input_lengths is 5; expected 0 to 4"); }
    for (CASE) { tg_tensor *a = f32(3, 2); MISTAKE(TG_ERROR_VALUE, (!tg_pdist(a, -1)), "pdist: the p of a norm must not be negative, got -1.0"); }
}

/* ---- sharing ---- */
static void test_frozen(void) {
    for (CASE) { tg_tensor *a = f32(3, -1); tg_mark m = tg_begin(other);
        CHECK(tg_share(other, a));
        MISTAKE(TG_ERROR_FROZEN, !tg_add_(a, a), "add_: f32[3] is shared with another context and frozen");
        tg_end(other, m);
        CHECK(tg_add_(a, a) != NULL); }
    for (CASE) { tg_tensor *a = f32(3, -1), *b; tg_mark m = tg_begin(other);
        b = tg_share(other, a);
        MISTAKE_IN(other, TG_ERROR_FROZEN, !tg_fill_(b, 2), "fill_: f32[3] is shared with another context and frozen");
        CHECK_OK(tg);
        tg_end(other, m); }
}

/* ---- files ---- */
static void test_files(void) {
    static const unsigned char hostile_name[] = "\x30\0\0\0\0\0\0\0{\"../\\u0000x\":{\"dtype\":\"F32\",\"shape\":[1]}}       ....";
    for (CASE) { MISTAKE(TG_ERROR_FILE, !tg_safetensors_load(tg, "/nowhere/model.safetensors"), "safetensors_load: /nowhere/model.safetensors: no such file or folder"); }
    for (CASE) { MISTAKE(TG_ERROR_FILE, !tg_npy_load(tg, "/nowhere/x.npy"), "npy_load: /nowhere/x.npy: no such file or folder"); }
    for (CASE) { tg_tensor *a = f32(2, -1);
        MISTAKE(TG_ERROR_FILE, !tg_npy_save(a, "/nowhere/x.npy"), "npy_save: /nowhere/x.npy: no such file or folder"); }
    for (CASE) { MISTAKE(TG_ERROR_NULL, !tg_npy_load(tg, NULL), "npy_load: operand 1 is NULL"); }
    for (CASE) { tg_tensor *a = tg_to(f32(2, -1), TG_BF16);
        MISTAKE(TG_ERROR_VALUE, !tg_npy_bytes(a), "npy_bytes: NumPy has no bf16; convert with tg_to(t, TG_F32)"); }
    for (CASE) { MISTAKE(TG_ERROR_FORMAT, !tg_npy_parse(tg, "hello", 5), "npy_parse: bytes: not an npy file at byte 0"); }
    for (CASE) { MISTAKE(TG_ERROR_FORMAT, !tg_safetensors_parse(tg, "hello", 5), "safetensors_parse: bytes: the file is shorter than the 8 bytes of the header's length at byte 0"); }
    for (CASE) { tg_dict *d = tg_safetensors_parse(tg, hostile_name, sizeof hostile_name - 1);
        CHECK(!d); CHECK(strncmp(tg_error_text(tg), "safetensors_parse: ", 19) == 0);
        CHECK_ERROR(tg, TG_ERROR_FORMAT); }
    for (CASE) { tg_dict *d = tg_dict_new(tg); tg_tensor *a = f32(2, -1);
        MISTAKE(TG_ERROR_VALUE, !tg_dict_set(d, "__metadata__", a), "dict_set: no tensor can have the name __metadata__; use tg_dict_set_meta");
        MISTAKE(TG_ERROR_VALUE, !tg_dict_set(d, "\xff\xfe", a), "dict_set: names and metadata are UTF-8; this text is not");
        MISTAKE(TG_ERROR_NULL, !tg_dict_set(d, "a", NULL), "dict_set: operand 2 is NULL");
        tg_dict_free(d); }
}

/* ---- functions made of others report under their own name, with the operands as they were given; the traceback has what the user called, nothing else ---- */
static int warned;
static char warning[1024];
static void count_warnings(void *user, tg_log_level level, const char *text) {
    (void)user;
    if (level == TG_LOG_WARNING) { warned++; snprintf(warning, sizeof warning, "%s", text); }
}
static tg_tensor *exp_hook(void *user, tg_tensor *g) { (void)user; return tg_exp(g); }
static void traced(tg_ctx *t, const char *want, const char *file, int line) {
    char trace[4000], names[400], *at = trace;
    size_t n = 0;
    (void)tg_traceback(t, trace, sizeof trace);
    while (*at) {                                                      /* "name (file:line)\n" */
        while (*at && *at != ' ' && n + 2 < sizeof names) names[n++] = *at++;
        names[n++] = ' ';
        while (*at && *at != '\n') at++;
        if (*at) at++;
    }
    names[n] = 0;
    test_text(names, want, file, line);
}
static void test_composed(void) {
    for (CASE) { tg_tensor *x = f32(4, -1), *w = f32(2, 5);
        MISTAKE(TG_ERROR_SHAPE, !tg_linear(x, w, NULL), "linear: x f32[4] and weight f32[2, 5] do not fit together: expected x [..., I] and weight [O, I]"); }
    for (CASE) { tg_tensor *x = f32(5, -1), *w = tg_to(f32(2, 5), TG_F64);
        MISTAKE(TG_ERROR_DTYPE, !tg_linear(x, w, NULL), "linear: operands need one dtype: f32[5] and f64[2, 5]; tg_to one of them"); }
    for (CASE) { tg_tensor *x = f32(2, 5), *v = tg_to(f32(5, -1), TG_F64);
        MISTAKE(TG_ERROR_DTYPE, !tg_matmul(x, v), "matmul: operands need one dtype: f32[2, 5] and f64[5]; tg_to one of them"); }
    for (CASE) { tg_tensor *x = f32(5, -1), *v = tg_to(f32(5, 2), TG_BOOL);
        MISTAKE(TG_ERROR_DTYPE, !tg_matmul(tg_to(x, TG_BOOL), v), "matmul: not defined for bool"); }
    for (CASE) { tg_tensor *x = f32(4, -1), *y = f32(3, -1);
        MISTAKE(TG_ERROR_SHAPE, !tg_mse_loss(x, y), "mse_loss: shapes f32[4] and f32[3] do not broadcast: sizes 4 and 3 differ in dimension 0"); }
    for (CASE) { tg_tensor *x = ints(3, 1);
        MISTAKE(TG_ERROR_DTYPE, !tg_mse_loss(x, x), "mse_loss: expected a floating type, got i64[3]; tg_to it first"); }
    for (CASE) { tg_tensor *list[2]; list[0] = f32(2, 3); list[1] = f32(2, 4);
        MISTAKE(TG_ERROR_SHAPE, !tg_stack(list, 2, 0), "stack: tensor 1 is f32[2, 4] and does not fit f32[2, 3]: all sizes must agree"); }
    {
        tg_config c = test_config(NULL);
        tg_ctx *t;
        tg_tensor *x, *w, *b, *loss, *list[2];
        char want[512];
        int l;
        c.hooks.log = count_warnings;
        t = tg_open(&c);
        x = tg_ones(t, TG_SHAPE(4, 2)); w = tg_require_grad(tg_ones(t, TG_SHAPE(1, 2)), true); b = tg_ones(t, TG_SHAPE(1));
        loss = tg_mse_loss(tg_linear(x, w, b), tg_ones(t, TG_SHAPE(4, 1)));
        CHECK(tg_backward(loss));
        traced(t, "backward mse_loss linear ", __FILE__, __LINE__);
        list[0] = tg_std_dims(tg_ones(t, TG_SHAPE(3, 2)), TG_DIMS(0), 1, false);
        list[1] = tg_matmul(tg_ones(t, TG_SHAPE(3)), tg_ones(t, TG_SHAPE(3, 2)));
        CHECK(tg_stack(list, 2, 0) && tg_dropout(list[0], 0.5, true) && tg_add_scalar(list[0], 1));
        traced(t, "add dropout stack matmul std backward mse_loss linear ", __FILE__, __LINE__);
        CHECK(tg_hook(w, exp_hook, NULL) && tg_backward(tg_sum(tg_mul(w, w))));          /* a hook's calls are the user's */
        CHECK(tg_exp(w) != NULL);
        traced(t, "exp exp backward sum mul add dropout stack matmul std backward mse_loss linear ", __FILE__, __LINE__);
        CHECK(!tg_mse_loss(x, tg_ones(t, TG_SHAPE(3))));
        tg_clear(t);
        CHECK(tg_relu(x) != NULL);                                     /* a composed call that failed leaves its name to nobody */
        CHECK(!tg_add(x, NULL) && !strncmp(tg_error_text(t), "add: ", 5));
        tg_clear(t);
        /* a loss whose operands differ in shape: one warning per context, none where they agree */
        CHECK_INT(warned, 0);
        loss = tg_mse_loss(tg_ones(t, TG_SHAPE(4, 1)), tg_ones(t, TG_SHAPE(4))); l = __LINE__;
        snprintf(want, sizeof want, "mse_loss: input f32[4, 1] and target f32[4] differ in shape and are broadcast to [4, 4]; is that meant? Told once (%s:%d)", __FILE__, l);
        CHECK(loss && warned == 1); CHECK_TEXT(warning, want);
        CHECK(tg_mse_loss(tg_ones(t, TG_SHAPE(4, 1)), tg_ones(t, TG_SHAPE(4))) && warned == 1);
        CHECK_OK(t);
        /* the tape counts what was recorded, without gaps */
        {
            tg_tape_entry e[16];
            int n, i;
            tg_tensor *y, *u = tg_require_grad(tg_ones(t, TG_SHAPE(2)), true);
            (void)tg_exp(x); (void)tg_add(x, x);                       /* not recorded */
            y = tg_mul(u, u);
            (void)tg_neg(x);
            y = tg_sum(tg_add(tg_exp(y), tg_narrow(tg_relu(u), 0, 0, 2)));
            n = tg_tape(y, e, 16);
            CHECK_INT(n, 7);
            for (i = 1; i < n; i++) CHECK_MSG(e[i].number + 1 == e[i - 1].number, "%s has number %d behind %d", e[i].op, (int)e[i].number, (int)e[i - 1].number);
        }
        tg_close(t);
    }
}

/* ---- names stay in messages, long ones do not overrun; the log tells the first error once; the traceback names the calls ---- */
static int logged;
static char logged_text[2048];
static void count_log(void *user, tg_log_level level, const char *text) {
    (void)user;
    if (level == TG_LOG_ERROR) { logged++; snprintf(logged_text, sizeof logged_text, "%s", text); }
}
static void test_rest(void) {
    char name[3000], trace[4000];
    tg_config c = test_config(NULL);
    tg_ctx *t;
    tg_tensor *a, *b;
    int i, l1, l2;
    char want[256];
    for (CASE) {
        memset(name, 'n', sizeof name); name[sizeof name - 1] = 0;
        a = tg_set_name(f32(2, 3), name);
        CHECK(a && strlen(a->name) == sizeof name - 1);
        CHECK(!tg_add(a, f32(4, 5)));
        CHECK(strlen(tg_error_text(tg)) < 1024 && strncmp(tg_error_text(tg), "add: shapes 'nnnn", 17) == 0);
        CHECK_ERROR(tg, TG_ERROR_SHAPE);
        CHECK(tg_set_name(a, "short") && !strcmp(a->name, "short"));
        CHECK(tg_set_name(a, NULL) && !a->name);
    }
    c.hooks.log = count_log;
    t = tg_open(&c);
    a = tg_ones(t, TG_SHAPE(2)); l1 = __LINE__;
    b = tg_view(a, TG_SHAPE(3)); l2 = __LINE__;
    CHECK(!b && logged == 1 && !strcmp(logged_text, tg_error_text(t)));
    for (i = 0; i < 3; i++) CHECK(!tg_view(a, TG_SHAPE(3)));
    CHECK_INT(logged, 1);                                              /* a pending error is not told again */
    CHECK(tg_traceback(t, NULL, 0) == tg_traceback(t, trace, sizeof trace) && tg_traceback(t, trace, sizeof trace) == strlen(trace));
    snprintf(want, sizeof want, "view shape=[3] (%s:%d)\n", __FILE__, l2);
    CHECK_MSG(strncmp(trace, want, strlen(want)) == 0, "the traceback begins with the failed call: %s", trace);
    CHECK(tg_traceback(t, trace, 8) > 8 && strlen(trace) == 7);
    (void)l1;
    tg_clear(t);
    CHECK(tg_item(tg_sum(a)) == 2);
    (void)tg_traceback(t, trace, sizeof trace);
    CHECK(strncmp(trace, "sum (", 5) == 0);
    tg_close(t);
    tg_close(NULL); tg_clear(NULL); tg_end(NULL, tg_begin(NULL)); tg_drop(NULL); CHECK(!tg_keep(NULL));
    (void)tg_memory(NULL); tg_trim(NULL); tg_seed(NULL, 1); tg_say(NULL, TG_LOG_INFO, "x"); tg_print(NULL); tg_show(NULL); tg_dict_free(NULL);
    {                                                                  /* stable numbers: the first rows of the list in >>impl-error */
        tg_ctx *u = test_open();
        (void)tg_add(tg_ones(u, TG_SHAPE(2)), NULL);
        CHECK_INT(tg_error_number(u), 2);
        tg_clear(u);
        (void)tg_add(tg_ones(u, TG_SHAPE(2)), tg_ones(u, TG_SHAPE(3)));
        CHECK_INT(tg_error_number(u), 5);
        test_close(u);
    }
}

/* ---- a context that cannot be opened: the log hook hears why, without one stderr does ---- */
static void *no_memory(void *user, size_t size, size_t align) { (void)user; (void)size; (void)align; return NULL; }
static void no_release(void *user, void *p, size_t size, size_t align) { (void)user; (void)p; (void)size; (void)align; }
static void refused(const tg_config *c, const char *want, const char *file, int line) {
    tg_ctx *t;
    logged = 0; logged_text[0] = 0;
    t = tg_open(c);
    test_check(!t, file, line, "it was opened");
    test_check(logged == 1, file, line, "%d lines in the log", logged);
    test_text(logged_text, want, file, line);
    tg_close(t);
}
#define REFUSED(want) refused(&c, want, __FILE__, __LINE__)
#ifdef TEST_ISA_H
#define ASKED(isa) test_isa_asked(isa)
#else
#define ASKED(isa) (isa)
#endif
static void test_opening(void) {
    size_t itself;
    tg_config plain = test_config(NULL), c;
    char text[512], want[128];
    size_t n = 0;
    int i, keep;
    FILE *f;
    plain.hooks.log = count_log;
    { tg_ctx *t = tg_open(&plain); itself = tg_memory(t).now; tg_close(t); }
    c = plain; c.hooks.alloc = no_memory;
    REFUSED("open: hooks.alloc is given without hooks.release; memory goes back to where it came from");
    c = plain; c.hooks.release = no_release;
    REFUSED("open: hooks.release is given without hooks.alloc; memory goes back to where it came from");
    c = plain; c.hooks.alloc = no_memory; c.hooks.release = no_release;
    snprintf(want, sizeof want, "open: out of memory: the allocator did not give %lu bytes", (unsigned long)itself);
    REFUSED(want);
    c = plain; c.threads = -2;
    REFUSED("open: threads is -2; expected a number of threads, or -1 for one per core");
    c = plain; c.threads = 5000;
    REFUSED("threads: number of threads: expected 0 to 1024, got 5000.0");
    c = plain; c.memory_limit = 100;
    snprintf(want, sizeof want, "open: memory_limit is 100 bytes, and the context itself needs %lu", (unsigned long)itself);
    REFUSED(want);
    c = plain; c.isa = (tg_isa)77;
    REFUSED("open: there is no isa 77");
    for (i = TG_ISA_PLAIN; i <= TG_ISA_SIMD128; i++) {
        static const char *const names[] = { "", "plain", "avx2", "avx512", "neon", "simd128" };
        c = plain; c.isa = (tg_isa)i;
        if (tg_isa_supported(c.isa)) { tg_ctx *t = tg_open(&c); CHECK(t && !strcmp(tg_isa_name(t), names[i])); tg_close(t); continue; }
        logged = 0;
        CHECK(!tg_open(&c) && logged == 1);
        snprintf(want, sizeof want, "open: this build has no kernels for %s", names[ASKED(c.isa)]);
        snprintf(text, sizeof text, "open: this machine has no %s", names[i]);
        CHECK_MSG(!strcmp(logged_text, want) || !strcmp(logged_text, text), "%s", logged_text);
    }
    c = plain; c.memory_limit = itself;                                /* enough to open, not for a tensor: an error in the context */
    { tg_ctx *t = tg_open(&c); CHECK(t && !tg_ones(t, TG_SHAPE(3)) && tg_error(t) == TG_ERROR_MEMORY); tg_close(t); }
    /* stderr: also where the caller's header is another, whose config is not read */
    f = tmpfile();
    fflush(stderr);
    keep = f ? dup(2) : -1;
    if (keep < 0) { SKIP("no temporary file"); return; }
    dup2(fileno(f), 2);
    memset(&c, 0, sizeof c); c.threads = -3;
    CHECK(!tg_open(&c));
    memset(&c, 0x55, sizeof c);
    CHECK(!tg_open_abi(&c, TG_ABI + 1) && !tg_open_abi(NULL, TG_ABI + 1));
    fflush(stderr);
    dup2(keep, 2); close(keep);
    rewind(f);
    n = fread(text, 1, sizeof text - 1, f); text[n] = 0;
    fclose(f);
    CHECK_TEXT(text, "tensorgrad: open: threads is -3; expected a number of threads, or -1 for one per core\n"
        "tensorgrad: open: the header that the caller was compiled with is another version than the implementation's\n"
        "tensorgrad: open: the header that the caller was compiled with is another version than the implementation's\n");
}

int main(void) {
    tg = test_open();
    other = test_open();
    if (!tg || !other) return test_end("errors");
    test_shapes();
    test_conv();
    test_dtypes();
    test_indices();
    test_values();
    test_lifetimes();
    test_gradients();
    test_made();
    test_frozen();
    test_files();
    test_rest();
    test_null_shapes();
    test_composed();
    test_opening();
    (void)tg_view(tg_ones(tg, TG_SHAPE(2)), TG_SHAPE(3));
    gated(tg, __FILE__, __LINE__);
    test_close(tg);
    test_close(other);
    return test_end("errors");
}
