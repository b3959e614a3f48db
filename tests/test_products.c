/* Tests of >>impl-products: products of matmul, addmm and its relatives, einsum, tensordot, multi_dot, powers and exponentials of matrices, cov, distances. Values against loops or against
   numbers worked out by hand, refusals with their words, kinks and NaN; gradients are in tests/op_list.h.
   cc -O1 tests/test_products.c -o test_products -pthread -lm && ./test_products */
#include "test.h"
#include <math.h>

static tg_ctx *tg;

static bool says(tg_tensor *t, const char *text) {
    bool ok = !t && strncmp(tg_error_text(tg), text, strlen(text)) == 0;
    if (!ok) printf("got      %s\nexpected %s\n", tg_error_text(tg), text);
    tg_clear(tg);
    return ok;
}
#define REFUSES(call, text) CHECK(says(call, text))
static bool near(tg_tensor *a, tg_tensor *b, double tolerance) {
    bool ok = a && b && tg_allclose(a, b, tolerance, tolerance);
    if (!ok && a && b) { tg_print(a); tg_print(b); }
    return ok;
}
static tg_tensor *counted(int ndim, const int64_t *shape) {                   /* 1, 2, 3, ... */
    int64_t n = 1;
    int d;
    for (d = 0; d < ndim; d++) n *= shape[d];
    return tg_reshape(tg_arange(tg, 1, (double)n + 1, 1, TG_F32), ndim, shape);
}
static tg_tensor *numbers(int n, const float *v) { int64_t shape = n; return tg_from_f32(tg, 1, &shape, v); }
static tg_tensor *einsum1(const char *e, tg_tensor *a) { return tg_einsum(e, &a, 1); }
static tg_tensor *einsum2(const char *e, tg_tensor *a, tg_tensor *b) { tg_tensor *l[2]; l[0] = a; l[1] = b; return tg_einsum(e, l, 2); }
static tg_tensor *einsum3(const char *e, tg_tensor *a, tg_tensor *b, tg_tensor *c) { tg_tensor *l[3]; l[0] = a; l[1] = b; l[2] = c; return tg_einsum(e, l, 3); }
static double gradient_sum(tg_tensor *y, tg_tensor *x) {                      /* of the sum of y, by x; NaN shows */
    tg_tensor *g = NULL;
    y = y ? tg_sum(y) : NULL;
    return tg_grad(&y, 1, &x, 1, &g) ? tg_item(tg_sum(tg_abs(g))) : -1;
}

static void test_simple(void) {
    tg_tensor *a = counted(TG_SHAPE(2, 3)), *v = counted(TG_SHAPE(3)), *w = counted(TG_SHAPE(2)), *b = counted(TG_SHAPE(2, 3, 2)), *i = tg_to(v, TG_I32);
    CHECK(tg_equal(tg_mm(a, tg_t(a)), tg_matmul(a, tg_t(a))) && tg_equal(tg_mv(a, v), tg_matmul(a, v)) && tg_equal(tg_bmm(b, tg_transpose(b, 1, 2)), tg_matmul(b, tg_transpose(b, 1, 2))));
    CHECK(tg_item(tg_dot(v, v)) == 14 && tg_item(tg_vdot(i, i)) == 14 && tg_dot(i, i)->dtype == TG_I32);
    CHECK(tg_equal(tg_outer(w, v), tg_mul(tg_unsqueeze(w, 1), v)) && tg_outer(w, i)->dtype == TG_F32);
    CHECK(tg_equal(tg_inner(a, a), tg_mm(a, tg_t(a))) && tg_equal(tg_inner(a, tg_number(tg, 2)), tg_mul_scalar(a, 2)) && tg_item(tg_inner(v, v)) == 14);
    CHECK(tg_equal(tg_vecdot(a, v, -1), tg_mv(a, v)) && tg_equal(tg_vecdot(v, a, 1), tg_mv(a, v)) && tg_item(tg_vecdot(v, v, 0)) == 14);
    REFUSES(tg_mm(a, v), "mm: expected factors of 2 and 2 dimensions, got f32[2, 3] and f32[3]");
    REFUSES(tg_mm(a, a), "mm: inner sizes differ: f32[2, 3] x f32[2, 3]; transpose b?");
    REFUSES(tg_mm(a, tg_to(tg_t(a), TG_F64)), "mm: operands need one dtype");
    REFUSES(tg_bmm(b, tg_narrow(tg_transpose(b, 1, 2), 0, 0, 1)), "bmm: expected as many matrices in one as in the other");
    REFUSES(tg_dot(a, v), "dot: expected factors of 1 and 1 dimensions");
    REFUSES(tg_dot(v, w), "dot: inner sizes differ");
    REFUSES(tg_outer(a, v), "outer: expected factors of 1 and 1 dimensions");
    REFUSES(tg_inner(a, w), "inner: the last sizes of f32[2, 3] and f32[2] differ");
    REFUSES(tg_vecdot(i, i, 0), "vecdot: expected a floating type");
    REFUSES(tg_vecdot(v, counted(TG_SHAPE(1)), 0), "vecdot: inner sizes differ");
    REFUSES(tg_vecdot(v, v, 1), "vecdot: dim 1 is out of range");
    REFUSES(tg_mm(a, NULL), "mm: operand 1 is NULL");
}

static void test_added(void) {
    tg_tensor *a = counted(TG_SHAPE(2, 3)), *b = counted(TG_SHAPE(3, 2)), *p = tg_mm(a, b), *x = tg_full(tg, TG_SHAPE(2), 10, TG_F32), *nan = tg_full(tg, TG_SHAPE(2, 2), (double)NAN, TG_F32), *y, *h;
    tg_tensor *c = counted(TG_SHAPE(2, 2, 3)), *d = counted(TG_SHAPE(2, 3, 2));
    CHECK(tg_equal(tg_addmm(x, a, b, 2, 3), tg_add_scaled(tg_full_like(p, 20), p, 3)) && tg_equal(tg_addmm(x, a, b, 1, 1), tg_add(x, p)));
    CHECK(tg_equal(tg_addmm(nan, a, b, 0, 2), tg_mul_scalar(p, 2)) && isnan(tg_item(tg_sum(tg_addmm(nan, a, b, 1, 1)))));
    h = tg_to(x, TG_F16);
    CHECK(tg_equal(tg_addmm(h, tg_to(a, TG_F16), tg_to(b, TG_F16), 1, 1), tg_to(tg_add(x, p), TG_F16)) && tg_equal(tg_addmm(tg_slice(x, "None"), a, b, 1, 1), tg_add(x, p)));
    CHECK(tg_addmm(x, tg_zeros(tg, TG_SHAPE(0, 3)), b, 1, 1)->shape[0] == 0);
    (void)tg_require_grad(nan, true);
    CHECK(gradient_sum(tg_addmm(nan, a, b, 0, 2), nan) == 0);
    CHECK(tg_equal(tg_addmm(nan, a, b, 0, 2), tg_mul_scalar(p, 2)));
    y = tg_clone(tg_expand(x, TG_SHAPE(2, 2)));
    CHECK(tg_addmm_(y, a, b, 0.5, 1) == y && tg_equal(y, tg_add_scalar(p, 5)));
    CHECK(tg_equal(tg_addmv(x, a, tg_select(b, 1, 0), 1, 2), tg_add_scaled(x, tg_select(p, 1, 0), 2)) && tg_equal(tg_addr(x, x, x, 1, 1), tg_full(tg, TG_SHAPE(2, 2), 110, TG_F32)));
    CHECK(tg_equal(tg_baddbmm(x, c, d, 1, 1), tg_add(x, tg_matmul(c, d))) && near(tg_addbmm(x, c, d, 1, 1), tg_add(x, tg_sum_dims(tg_matmul(c, d), TG_DIMS(0), false)), 1e-6));
    CHECK(tg_equal(tg_addmm(x, tg_zeros(tg, TG_SHAPE(2, 0)), tg_zeros(tg, TG_SHAPE(0, 2)), 1, 1), tg_expand(x, TG_SHAPE(2, 2))));
    /* integers cut beta and alpha; one rounding for halves */
    y = tg_addmm(tg_to(x, TG_I64), tg_to(a, TG_I64), tg_to(b, TG_I64), 1.9, 2.5);
    CHECK(y && y->dtype == TG_I64 && tg_equal(tg_to(y, TG_F32), tg_addmm(x, a, b, 1, 2)));
    REFUSES(tg_addr(tg_to(x, TG_I64), tg_to(x, TG_I64), tg_to(x, TG_I64), 1.5, 1), "addr: the factor 1.5 of integers must be a whole number");
    h = tg_full(tg, TG_SHAPE(1, 1), 300, TG_F16);
    y = tg_addmm(tg_full(tg, TG_SHAPE(1, 1), -60000, TG_F16), h, h, 1, 1);
    CHECK(y && y->dtype == TG_F16 && tg_item(y) == 30000);
    REFUSES(tg_addmm(counted(TG_SHAPE(3)), a, b, 1, 1), "addmm: f32[3] cannot be expanded to [2, 2]");
    REFUSES(tg_addmm(counted(TG_SHAPE(3)), a, b, 0, 1), "addmm: f32[3] cannot be expanded to [2, 2]");
    REFUSES(tg_addmm(x, a, a, 1, 1), "addmm: inner sizes differ: f32[2, 3] x f32[2, 3]");
    REFUSES(tg_addbmm(x, c, c, 1, 1), "addbmm: inner sizes differ");
    REFUSES(tg_addmm(tg_to(x, TG_F64), a, b, 1, 1), "addmm: operands need one dtype");
    REFUSES(tg_addmm_(x, a, b, 1, 1), "addmm_: the result has shape [2, 2] but is to be written into f32[2]");
    REFUSES(tg_addr_(tg_to(nan, TG_I32), x, x, 0, 1), "addr_: the result is f32 and cannot be written into i32[2, 2]");
    REFUSES(tg_addmm_(nan, a, b, 0, 1), "addmm_: f32[2, 2] is a leaf that requires a gradient");
    REFUSES(tg_addmm(x, a, NULL, 1, 1), "addmm: operand 2 is NULL");
}

static void test_einsum(void) {
    tg_tensor *a = counted(TG_SHAPE(2, 3)), *s = counted(TG_SHAPE(3, 3)), *t = counted(TG_SHAPE(2, 2, 3)), *v = counted(TG_SHAPE(3)), *y, *many[12];
    int64_t ones[TG_MAX_DIMS] = { 1, 1, 1, 1, 1, 1, 1, 2 };
    int i;
    CHECK(tg_equal(einsum1("ji", a), tg_t(a)) && tg_equal(einsum1(" b a ", a), tg_t(a)) && tg_equal(einsum1("bA", a), tg_t(a)));
    CHECK(tg_item(einsum1("ii", s)) == 15 && tg_item(einsum1("ij->", a)) == 21 && tg_equal(einsum1("ii->i", s), tg_slice_dim(tg_flatten(s, 0, -1), 0, 0, 9, 4)));
    CHECK(tg_equal(einsum1("iij", t), tg_add(tg_select(tg_select(t, 0, 0), 0, 0), tg_select(tg_select(t, 0, 1), 0, 1))));
    CHECK(tg_equal(einsum1("...ij->...ji", t), tg_transpose(t, 1, 2)) && tg_equal(einsum1("i...", t), tg_permute(t, TG_DIMS(1, 2, 0))) && tg_equal(einsum1("i...->...", t), tg_sum_dims(t, TG_DIMS(0), false)));
    REFUSES(einsum1("...a,", t), "einsum: \"...a,\" is for more operands than the 1 that were given");
    CHECK(tg_item(einsum1("...->", t)) == 78 && tg_equal(einsum1("...", v), v) && tg_item(einsum1("->", tg_number(tg, 3))) == 3 && tg_item(einsum1("...", tg_number(tg, 3))) == 3);
    CHECK(tg_equal(einsum2("ij,jk", a, s), tg_matmul(a, s)) && tg_equal(einsum2("ij , jk -> ki", a, s), tg_t(tg_matmul(a, s))) && tg_equal(einsum2("i,j", v, v), tg_outer(v, v)));
    CHECK(tg_equal(einsum2("...j,j", t, v), tg_matmul(t, v)) && tg_equal(einsum2("...i,...i->...i", t, a), tg_mul(t, a)) && tg_equal(einsum2("...i,...j->ij", t, a), einsum2("bci,cj->ij", t, a)));
    CHECK(tg_equal(einsum2("ij,ij->ij", a, tg_slice(a, ":1")), tg_mul(a, tg_slice(a, ":1"))) && tg_equal(einsum2("ij,ij->j", a, tg_slice(a, ":1")), tg_mul(tg_sum_dims(a, TG_DIMS(0), false), tg_select(a, 0, 0))));
    CHECK(near(einsum3("bi,ij,bj->b", a, s, a), tg_vecdot(tg_matmul(a, s), a, -1), 1e-6) && near(einsum3("ij,kj,k", a, s, v), tg_matmul(a, tg_matmul(tg_t(s), v)), 1e-6));
    CHECK(near(einsum2("abij,bkj->akbi", counted(TG_SHAPE(2, 3, 2, 2)), counted(TG_SHAPE(3, 2, 2))),
        tg_permute(tg_matmul(counted(TG_SHAPE(2, 3, 2, 2)), tg_transpose(counted(TG_SHAPE(3, 2, 2)), 1, 2)), TG_DIMS(0, 3, 1, 2)), 1e-6));
    y = einsum2("ij,jk->ik", tg_zeros(tg, TG_SHAPE(2, 0)), tg_zeros(tg, TG_SHAPE(0, 3)));
    CHECK(y && y->ndim == 2 && y->shape[1] == 3 && tg_item(tg_sum(y)) == 0);
    CHECK(einsum1("i->", tg_to(v, TG_I32))->dtype == TG_I64 && einsum2("ij,j->i", tg_to(a, TG_I32), tg_to(v, TG_I32))->dtype == TG_I32 && einsum2("i,j->i", tg_to(v, TG_I32), tg_to(v, TG_I32))->dtype == TG_I32);
    /* eight dimensions, a long chain, and a result of nine in between that another order avoids */
    y = tg_rand(tg, 8, ones);
    CHECK(tg_equal(einsum2("abcdefgh,hgfedcba->h", y, tg_permute(y, TG_DIMS(7, 6, 5, 4, 3, 2, 1, 0))), tg_flatten(tg_square(y), 0, -1)));
    for (i = 0; i < 12; i++) many[i] = tg_mul_scalar(tg_eye(tg, 3), 2);
    CHECK(tg_equal(tg_einsum("ab,bc,cd,de,ef,fg,gh,hi,ij,jk,kl,lm->am", many, 12), tg_mul_scalar(tg_eye(tg, 3), 4096)));
    many[0] = tg_ones(tg, TG_SHAPE(1, 2, 2, 2, 2)); many[1] = tg_ones(tg, TG_SHAPE(1, 2, 2, 2, 2)); many[2] = tg_ones(tg, TG_SHAPE(2, 2, 2, 2)); many[3] = tg_ones(tg, TG_SHAPE(2, 2, 2, 2));
    CHECK(tg_item(tg_einsum("zabcd,yefgh,abcd,efgh->", many, 4)) == 256);
    REFUSES(tg_einsum("zabcd,yefgh", many, 2), "einsum: 10 dimensions, at most 8 are possible");
    REFUSES(einsum1("ij->ijk", a), "einsum: letter k of the result is in no operand of \"ij->ijk\"");
    REFUSES(einsum1("ij->jj", a), "einsum: letter j is twice in the result of \"ij->jj\"");
    REFUSES(einsum1("ijk->i", a), "einsum: \"ijk->i\" gives 3 letters to operand 0, f32[2, 3]");
    REFUSES(einsum1("i", a), "einsum: \"i\" gives 1 letters to operand 0, f32[2, 3]");
    REFUSES(einsum1("ii", a), "einsum: letter i is named twice in \"ii\", for sizes 2 and 3 of operand 0, f32[2, 3]");
    REFUSES(einsum2("ij,jk", a, a), "einsum: letter j of \"ij,jk\" has size 2 in operand 1, f32[2, 3], and 3 before it");
    REFUSES(einsum2("ij", a, a), "einsum: \"ij\" is for fewer operands than the 2 that were given");
    REFUSES(einsum1("ij,j", a), "einsum: \"ij,j\" is for more operands than the 1 that were given");
    REFUSES(einsum1("i1", a), "einsum: cannot read \"i1\" at character 1");
    REFUSES(einsum1("..i", a), "einsum: cannot read \"..i\" at character 0");
    REFUSES(einsum1("...i...", a), "einsum: cannot read \"...i...\" at character 4");
    REFUSES(einsum1("ij-i", a), "einsum: cannot read \"ij-i\" at character 2");
    REFUSES(einsum1("ij->i->j", a), "einsum: cannot read \"ij->i->j\" at character 5");
    REFUSES(einsum1("abcdefghij", a), "einsum: cannot read \"abcdefghij\" at character 9");
    REFUSES(einsum1(NULL, a), "einsum: no equation given");
    REFUSES(einsum2("ij,jk", a, tg_to(s, TG_F64)), "einsum: operands need one dtype");
    REFUSES(einsum2("ij,jk", a, NULL), "einsum: operand 1 is NULL");
}

static void test_contractions(void) {
    tg_tensor *a = counted(TG_SHAPE(2, 3, 4)), *b = counted(TG_SHAPE(4, 3, 2)), *v = counted(TG_SHAPE(3)), *list[5], *y;
    tg_tensor *one = counted(TG_SHAPE(2, 1));
    CHECK(tg_equal(tg_tensordot(a, tg_permute(b, TG_DIMS(1, 0, 2)), 2), tg_tensordot_dims(a, b, TG_DIMS(1, -1), TG_DIMS(1, 0))));
    CHECK(tg_equal(tg_tensordot_dims(a, b, TG_DIMS(0, 1), TG_DIMS(2, 1)), einsum2("ijk,lji->kl", a, b)) && tg_equal(tg_tensordot(v, v, 0), tg_outer(v, v)) && tg_item(tg_tensordot(v, v, 1)) == 14);
    CHECK(tg_equal(tg_tensordot(one, counted(TG_SHAPE(3, 2)), 1), tg_mul(one, tg_sum_dims(counted(TG_SHAPE(3, 2)), TG_DIMS(0), false))));
    REFUSES(tg_tensordot(a, v, 2), "tensordot: 2 dimensions cannot be contracted of f32[2, 3, 4] and f32[3]");
    REFUSES(tg_tensordot(a, v, 1), "tensordot: dimension 2 of f32[2, 3, 4] and dimension 0 of f32[3] differ in size");
    REFUSES(tg_tensordot_dims(a, b, TG_DIMS(0, 1), TG_DIMS(2)), "tensordot: expected as many dims of one as of the other, got 2 and 1");
    REFUSES(tg_tensordot_dims(a, b, TG_DIMS(1, 1), TG_DIMS(1, 0)), "tensordot: dim 1 is named twice");
    REFUSES(tg_tensordot_dims(a, b, TG_DIMS(1, 0), TG_DIMS(1, 1)), "tensordot: dim 1 is named twice");
    REFUSES(tg_tensordot_dims(a, b, TG_DIMS(3), TG_DIMS(1)), "tensordot: dim 3 is out of range");
    REFUSES(tg_tensordot(v, tg_to(v, TG_I64), 0), "tensordot: operands need one dtype");
    list[0] = counted(TG_SHAPE(2)); list[1] = counted(TG_SHAPE(2, 5)); list[2] = counted(TG_SHAPE(5, 1)); list[3] = counted(TG_SHAPE(1, 3)); list[4] = v;
    y = tg_multi_dot(list, 5);
    CHECK(y && y->ndim == 0 && near(y, tg_matmul(tg_matmul(tg_matmul(tg_matmul(list[0], list[1]), list[2]), list[3]), list[4]), 1e-6) && tg_equal(tg_multi_dot(list + 1, 2), tg_matmul(list[1], list[2])));
    REFUSES(tg_multi_dot(list, 1), "multi_dot: expected at least two tensors");
    list[1] = counted(TG_SHAPE(2, 5, 1));
    REFUSES(tg_multi_dot(list, 5), "multi_dot: tensor 1 is f32[2, 5, 1]: expected matrices");
    list[1] = counted(TG_SHAPE(2, 4));
    REFUSES(tg_multi_dot(list, 5), "multi_dot: inner sizes differ: f32[2, 4] x f32[5, 1]");
}

static void test_matrices(void) {
    const float p3[3] = { 0, 0, 1 }, turn[4] = { 0, -1, 1, 0 }, both[4] = { 0.001f, 0, 0, 300 }, xs[3] = { 2, -1, 0 };
    tg_tensor *s = counted(TG_SHAPE(2, 2)), *t = tg_reshape(numbers(4, turn), TG_SHAPE(2, 2)), *y, *x, *list[2];
    CHECK(tg_equal(tg_matrix_power(s, 5), tg_matmul(s, tg_matmul(tg_matmul(s, s), tg_matmul(s, s)))) && tg_equal(tg_matrix_power(s, 1), s) && tg_matrix_power(s, 1) != s);
    CHECK(tg_equal(tg_matrix_power(counted(TG_SHAPE(3, 2, 2)), 0), tg_expand(tg_eye(tg, 2), TG_SHAPE(3, 2, 2))) && tg_equal(tg_matrix_power(t, 4), tg_eye(tg, 2)) && tg_equal(tg_matrix_power(t, INT64_MAX - 3), tg_eye(tg, 2)));
    REFUSES(tg_matrix_power(s, -1), "matrix_power: the exponent is -1; expected at least 0");
    REFUSES(tg_matrix_power(counted(TG_SHAPE(2, 3)), 2), "matrix_power: expected square matrices [..., N, N], got f32[2, 3]");
    /* turning by 1, by 100; a batch whose parts are far from each other; nothing; infinity */
    y = tg_matrix_exp(t);
    CHECK_NEAR(tg_item(tg_slice(y, "0, 0")), cos(1.0), 1e-6);
    CHECK_NEAR(tg_item(tg_slice(y, "1, 0")), sin(1.0), 1e-6);
    y = tg_matrix_exp(tg_mul_scalar(tg_to(t, TG_F64), 100));
    CHECK_NEAR(tg_item(tg_slice(y, "0, 1")), -sin(100.0), 1e-12);
    list[0] = tg_mul_scalar(t, 0.001); list[1] = tg_mul_scalar(t, 300);
    y = tg_matrix_exp(tg_stack(list, 2, 0));
    CHECK_NEAR(tg_item(tg_slice(y, "0, 1, 0")), sin(0.001), 1e-10);
    CHECK(tg_equal(tg_select(y, 0, 0), tg_matrix_exp(list[0])) && tg_equal(tg_select(y, 0, 1), tg_matrix_exp(list[1])));
    y = tg_matrix_exp(tg_mul(tg_eye(tg, 2), tg_reshape(numbers(4, both), TG_SHAPE(2, 2))));
    CHECK(isinf(tg_item(tg_slice(y, "1, 1"))));
    y = tg_matrix_exp(tg_full(tg, TG_SHAPE(1, 1), (double)NAN, TG_F32));
    CHECK(isnan(tg_item(y)));
    y = tg_matrix_exp(tg_zeros(tg, TG_SHAPE(0, 2, 2)));
    CHECK(y && y->numel == 0 && y->ndim == 3 && tg_equal(tg_matrix_exp(tg_zeros(tg, TG_SHAPE(2, 2))), tg_eye(tg, 2)) && tg_matrix_exp(tg_to(t, TG_F16))->dtype == TG_F16);
    REFUSES(tg_matrix_exp(tg_to(s, TG_I64)), "matrix_exp: expected a floating type");
    REFUSES(tg_matrix_exp(counted(TG_SHAPE(2))), "matrix_exp: expected square matrices");
    y = tg_kron(counted(TG_SHAPE(2)), s);
    CHECK(y && y->shape[0] == 2 && y->shape[1] == 4 && tg_item(tg_slice(y, "1, 2")) == 6 && tg_item(tg_slice(y, "0, 1")) == 2);
    CHECK(tg_kron(counted(TG_SHAPE(1, 2, 1, 2, 1, 2)), counted(TG_SHAPE(2, 1, 2, 1, 2, 1)))->numel == 64);
    REFUSES(tg_kron(counted(TG_SHAPE(2, 2, 2, 2, 2)), counted(TG_SHAPE(2, 2, 2, 2, 2))), "kron: 10 dimensions, at most 8 are possible");
    x = tg_eye(tg, 3);
    CHECK(tg_equal(tg_cross(tg_select(x, 0, 0), tg_select(x, 0, 1)), numbers(3, p3)) && tg_equal(tg_cross_dim(x, tg_expand(tg_select(x, 0, 0), TG_SHAPE(3, 3)), -1), tg_cross_dim(x, tg_slice(x, ":1"), 1)));
    REFUSES(tg_cross(s, s), "cross: no dimension of f32[2, 2] has size 3");
    REFUSES(tg_cross_dim(x, s, 0), "cross: expected size 3 in dimension 0 of both, got f32[3, 3] and f32[2, 2]");
    REFUSES(tg_cross_dim(x, tg_select(x, 0, 0), 0), "cross: f32[3, 3] and f32[3] differ in their numbers of dimensions");
    y = tg_linalg_vander(numbers(3, xs), 5);
    CHECK(y && y->shape[1] == 5 && tg_item(tg_slice(y, "0, 4")) == 16 && tg_item(tg_slice(y, "1, 3")) == -1 && tg_item(tg_slice(y, "2, 0")) == 1 && tg_item(tg_slice(y, "2, 4")) == 0);
    CHECK(tg_linalg_vander(tg_to(numbers(3, xs), TG_I32), 2)->dtype == TG_I64 && tg_linalg_vander(tg_number(tg, 2), 3)->ndim == 2);
    REFUSES(tg_linalg_vander(numbers(3, xs), 1), "linalg_vander: at least 2 columns are expected, got 1");
}

static void test_cov(void) {
    const float v[6] = { 0, 1, 2, 2, 1, 0 };
    const int64_t f[3] = { 1, 2, 3 };
    tg_tensor *x = tg_reshape(numbers(6, v), TG_SHAPE(2, 3)), *often = tg_from(tg, TG_SHAPE(3), TG_I64, f), *much = tg_to(often, TG_F32), *y, *six;
    int64_t places[6] = { 0, 1, 1, 2, 2, 2 };
    y = tg_cov(x);
    CHECK(y && tg_item(tg_slice(y, "0, 0")) == 1 && tg_item(tg_slice(y, "0, 1")) == -1);
    six = tg_index_select(x, 1, tg_from(tg, TG_SHAPE(6), TG_I64, places));
    CHECK(near(tg_cov(x, .fweights = often), tg_cov(six), 1e-6) && near(tg_cov(x, .correction = TG_IS(0), .fweights = often), tg_cov(x, .aweights = much, .correction = TG_IS(0)), 1e-6));
    CHECK(tg_cov(tg_select(x, 0, 0))->ndim == 0 && tg_item(tg_cov(tg_select(x, 0, 0))) == 1 && tg_cov(tg_to(x, TG_I64))->dtype == TG_F32);
    CHECK(isnan(tg_item(tg_slice(tg_cov(x, .correction = TG_IS(3)), "0, 0"))) || isinf(tg_item(tg_slice(tg_cov(x, .correction = TG_IS(3)), "0, 0"))));
    y = tg_corrcoef(x);
    CHECK(y && tg_item(tg_slice(y, "0, 1")) == -1 && tg_item(tg_corrcoef(tg_select(x, 0, 0))) == 1);
    REFUSES(tg_cov(counted(TG_SHAPE(2, 2, 2))), "cov: expected at most two dimensions");
    REFUSES(tg_cov(x, .fweights = much), "cov: fweights: expected an integer type, got f32[3]");
    REFUSES(tg_cov(x, .aweights = often), "cov: aweights: expected a floating type, got i64[3]");
    REFUSES(tg_cov(x, .aweights = counted(TG_SHAPE(2))), "cov: aweights: expected [3], one for each observation, got f32[2]");
    REFUSES(tg_cov(x, .aweights = tg_neg(much)), "cov: aweights: weights cannot be negative");
    REFUSES(tg_cov(x, .fweights = tg_zeros_like(often)), "cov: the weights add up to 0");
    REFUSES(tg_cov(NULL, .fweights = often), "cov: operand 0 is NULL");
}

static void test_distances(void) {
    static const double orders[] = { 0, 0.5, 1, 1.5, 2, 3, 1e300 };
    const float v[4] = { 3, 4, 0, 0 };
    tg_tensor *a = tg_randn(tg, TG_SHAPE(2, 30, 5)), *b = tg_randn(tg, TG_SHAPE(4, 5)), *x, *y, *z, *w;
    size_t k;
    CHECK(near(tg_cdist(a, b, 2, TG_CDIST_AUTO), tg_cdist(a, b, 2, TG_CDIST_DIRECT), 1e-5) && near(tg_cdist(a, b, 2, TG_CDIST_MATMUL), tg_cdist(a, b, 2, TG_CDIST_DIRECT), 1e-5));
    CHECK(near(tg_cdist(a, b, 3, TG_CDIST_AUTO), tg_pow_scalar(tg_sum_dims(tg_pow_scalar(tg_abs(tg_sub(tg_unsqueeze(a, -2), b)), 3), TG_DIMS(-1), false), 1.0 / 3), 1e-5));
    CHECK(near(tg_cdist(a, b, (double)INFINITY, TG_CDIST_AUTO), tg_amax_dims(tg_abs(tg_sub(tg_unsqueeze(a, -2), b)), TG_DIMS(-1), false), 1e-6));
    y = tg_cdist(tg_zeros(tg, TG_SHAPE(2, 0)), tg_zeros(tg, TG_SHAPE(3, 0)), (double)INFINITY, TG_CDIST_AUTO);
    CHECK(y && y->shape[1] == 3 && tg_item(tg_sum(y)) == 0 && tg_cdist(tg_zeros(tg, TG_SHAPE(0, 2)), tg_zeros(tg, TG_SHAPE(3, 2)), 2, TG_CDIST_AUTO)->numel == 0);
    /* at distance 0 the derivative is 0, of every order and in both forms */
    x = tg_require_grad(tg_ones(tg, TG_SHAPE(2, 3)), true);
    for (k = 0; k < sizeof orders / sizeof orders[0]; k++) {
        const double p = orders[k] > 1e299 ? (double)INFINITY : orders[k];
        CHECK_MSG(gradient_sum(tg_cdist(x, tg_ones(tg, TG_SHAPE(2, 3)), p, TG_CDIST_AUTO), x) == 0, "cdist of order %g at 0", p);
        CHECK_MSG(gradient_sum(tg_pairwise_distance(x, tg_ones(tg, TG_SHAPE(2, 3)), p, 0, false), x) == 0, "pairwise_distance of order %g at 0", p);
    }
    CHECK(gradient_sum(tg_cdist(x, tg_ones(tg, TG_SHAPE(2, 3)), 2, TG_CDIST_MATMUL), x) == 0);
    y = tg_cdist(tg_zeros(tg, TG_SHAPE(0, 300, 4)), tg_zeros(tg, TG_SHAPE(1, 300, 4)), 1, TG_CDIST_AUTO);
    CHECK(y && y->ndim == 3 && y->numel == 0);
    x = tg_require_grad(tg_full(tg, TG_SHAPE(20, 64), 5, TG_BF16), true);                 /* pieces of gradients add up in f32 */
    CHECK(gradient_sum(tg_to(tg_cdist(tg_full(tg, TG_SHAPE(512, 64), 1, TG_BF16), x, 1, TG_CDIST_AUTO), TG_F32), x) == 512.0 * 20 * 64);
    REFUSES(tg_cdist(a, b, -1, TG_CDIST_AUTO), "cdist: p: expected at least 0, got -1");
    REFUSES(tg_cdist(a, tg_narrow(b, 1, 0, 4), 2, TG_CDIST_AUTO), "cdist: expected points [..., P, M] and [..., R, M], got f32[2, 30, 5] and f32[4, 4]");
    REFUSES(tg_cdist(tg_to(a, TG_I64), b, 2, TG_CDIST_AUTO), "cdist: expected a floating type");
    REFUSES(tg_cdist(a, tg_to(b, TG_F64), 2, TG_CDIST_AUTO), "cdist: operands need one dtype");
    x = numbers(4, v);
    CHECK(tg_item(tg_pairwise_distance(x, tg_zeros_like(x), 2, 0, false)) == 5 && tg_pairwise_distance(a, a, 2, 0, true)->ndim == 3 && tg_pairwise_distance(tg_to(x, TG_I64), tg_to(x, TG_I64), 2, 1e-6, false)->dtype == TG_F32);
    y = tg_normalize(tg_reshape(x, TG_SHAPE(2, 2)), 2, 1, 1e-12);
    CHECK_NEAR(tg_item(tg_slice(y, "0, 0")), 0.6, 1e-6);
    CHECK(tg_item(tg_slice(y, "1, 0")) == 0);
    REFUSES(tg_normalize(tg_to(x, TG_I64), 2, 0, 1e-12), "normalize: expected a floating type");
    REFUSES(tg_normalize(x, 2, 1, 1e-12), "normalize: dim 1 is out of range");
    CHECK_NEAR(tg_item(tg_cosine_similarity(x, tg_mul_scalar(x, 7), 0, 1e-8)), 1, 1e-6);
    CHECK(tg_item(tg_cosine_similarity(x, tg_zeros_like(x), 0, 1e-8)) == 0 && tg_cosine_similarity(x, tg_to(x, TG_I64), 0, 1e-8)->dtype == TG_F32);
    REFUSES(tg_cosine_similarity(tg_to(x, TG_I64), tg_to(x, TG_I64), 0, 1e-8), "cosine_similarity: expected a floating type");
    y = counted(TG_SHAPE(2, 3)); z = counted(TG_SHAPE(2, 2)); w = counted(TG_SHAPE(4, 3, 2));
    CHECK(near(tg_bilinear(y, z, w, NULL), einsum3("ni,oij,nj->no", y, w, z), 1e-6) && near(tg_bilinear(y, z, w, x), tg_add(x, einsum3("ni,oij,nj->no", y, w, z)), 1e-6));
    CHECK(tg_bilinear(tg_select(y, 0, 0), tg_select(z, 0, 0), w, x)->ndim == 1);
    REFUSES(tg_bilinear(y, tg_narrow(z, 0, 0, 1), w, NULL), "bilinear: expected [..., I], [..., J] and weight [O, I, J], got f32[2, 3], f32[1, 2] and f32[4, 3, 2]");
    REFUSES(tg_bilinear(y, z, w, counted(TG_SHAPE(3))), "bilinear: expected bias [4], got f32[3]");
}

/* Distances of many points: in pieces, with the bits of a few points, and with no more room than the results and their gradients take. */
static void test_many_distances(void) {
    static const double orders[] = { 1, 2, 3, 0.5, INFINITY };
    tg_ctx *mine = test_open();
    int k;
    for (k = 0; k < 5; k++) {
        const double p = orders[k];
        tg_mark m = tg_begin(mine);
        tg_tensor *a = tg_require_grad(tg_randn(mine, TG_SHAPE(900, 40)), true), *b = tg_require_grad(tg_randn(mine, TG_SHAPE(1100, 40)), true), *g = tg_randn(mine, TG_SHAPE(900, 1100)), *y, *row, *ga, *gb;
        y = tg_cdist(a, b, p, TG_CDIST_DIRECT);
        CHECK(tg_backward(y, .gradient = g));
        ga = tg_grad_of(a); gb = tg_grad_of(b);
        CHECK_MSG(tg_memory(mine).peak < (size_t)20 << 20, "%zu", tg_memory(mine).peak);      /* all differences: 158 MB */
        row = tg_require_grad(tg_narrow(tg_detach(a), 0, 777, 1), true);
        CHECK(tg_allclose(tg_cdist(row, tg_detach(b), p, TG_CDIST_DIRECT), tg_narrow(tg_detach(y), 0, 777, 1), 1e-6, 0));
        CHECK(tg_backward(tg_cdist(row, tg_detach(b), p, TG_CDIST_DIRECT), .gradient = tg_narrow(g, 0, 777, 1)) && tg_allclose(tg_grad_of(row), tg_narrow(ga, 0, 777, 1), 1e-4, 1e-4));
        row = tg_require_grad(tg_narrow(tg_detach(b), 0, 1099, 1), true);
        CHECK(tg_backward(tg_cdist(tg_detach(a), row, p, TG_CDIST_DIRECT), .gradient = tg_narrow(g, 1, 1099, 1)) && tg_allclose(tg_grad_of(row), tg_narrow(gb, 0, 1099, 1), 1e-4, 1e-4));
        CHECK_OK(mine);
        tg_end(mine, m);
    }
    test_close(mine);
}
/* memory runs out at each place in turn: the error, and all comes back */
static void test_memory(void) {
    test_heap heap = TEST_HEAP;
    for (heap.fail_at = 1; ; heap.fail_at++) {
        tg_ctx *mine = test_open_heap(&heap);
        if (mine) {
            tg_tensor *list[9], *x = tg_rand(mine, TG_SHAPE(3, 3)), *y;
            int i;
            for (i = 0; i < 9; i++) list[i] = x;
            y = tg_einsum("ab,bc,cd,de,ef,fg,gh,hi,ii", list, 9);
            y = tg_add(tg_multi_dot(list, 4), tg_matrix_exp(y ? tg_mul(x, y) : NULL));
            y = tg_cdist(y, x, 1.5, TG_CDIST_AUTO);
            CHECK(y || !x || tg_error(mine) == TG_ERROR_MEMORY);
            x = tg_require_grad(tg_rand(mine, TG_SHAPE(50, 40)), true);
            CHECK(tg_backward(tg_sum(tg_cdist(x, tg_mul_scalar(x, 2), 1, TG_CDIST_AUTO))) || !x || tg_error(mine) == TG_ERROR_MEMORY);
        }
        test_close(mine);
        if (!test_heap_ended(&heap)) break;
    }
}

/* A call leaves nothing to the next one: small matrices of a batch that lie as a kernel wants them, then larger ones, each a single chunk, whose second factor is turned. */
static void test_after_small(void) {
    tg_ctx *g = test_open();
    tg_tensor *a = tg_randn(g, TG_SHAPE(3, 300, 257)), *b = tg_randn(g, TG_SHAPE(3, 33, 257)), *y;
    CHECK(tg_matmul(tg_ones(g, TG_SHAPE(2, 300, 1)), tg_ones(g, TG_SHAPE(2, 1, 257))));
    y = tg_matmul(a, tg_transpose(b, 1, 2));
    CHECK(y && tg_allclose(y, tg_matmul(a, tg_contiguous(tg_transpose(b, 1, 2))), 1e-4, 1e-4));
    CHECK_OK(g);
    test_close(g);
}

/* Products of bf16, by whatever instruction: of whole numbers, whose sums are exact in f32, so the result is the exact one rounded once. Sizes around those of tiles and panels, K across
   blocks; every layout of both operands. */
static void brains(int64_t batch, int64_t m, int64_t n, int64_t k, int layout) {
    tg_mark s = tg_begin(tg);
    tg_tensor *a = tg_floor(tg_mul_scalar(tg_rand(tg, TG_SHAPE(batch, m, k)), 17)), *b = tg_floor(tg_add_scalar(tg_mul_scalar(tg_rand(tg, TG_SHAPE(batch, k, n)), 17), -8)), *want = tg_to(tg_matmul(a, b), TG_BF16), *y;
    a = tg_to(a, TG_BF16); b = tg_to(b, TG_BF16);
    if (layout & 1) a = tg_transpose(tg_contiguous(tg_transpose(a, 1, 2)), 1, 2);
    if (layout & 2) b = tg_transpose(tg_contiguous(tg_transpose(b, 1, 2)), 1, 2);
    if (layout & 4) {                                                                     /* rows and columns further apart */
        tg_tensor *aa[2], *bb[2];
        aa[0] = aa[1] = a; bb[0] = bb[1] = b;
        a = tg_narrow(tg_cat(aa, 2, 2), 2, k, k); b = tg_narrow(tg_cat(bb, 2, 1), 1, k, k);
    }
    y = tg_matmul(a, b);
    CHECK_MSG(y && y->dtype == TG_BF16 && tg_equal(y, want), "bf16 product %d x %d x %d, batch %d, layout %d: %s", (int)m, (int)n, (int)k, (int)batch, layout, tg_error_text(tg));
    tg_end(tg, s);
}
static void test_brains(void) {
    static const int64_t sizes[] = { 16, 17, 31, 32, 33, 97, 130 }, depths[] = { 66, 511, 512, 1030, 4100 };
    int a, b, c, i = 0;
    for (a = 0; a < 7; a++) for (b = 0; b < 7; b++) for (c = 0; c < 5; c++, i++) brains(1 + i % 11 / 10, sizes[a], sizes[b], depths[c], i % 8);
    for (i = 0; i < 2; i++) {                                                             /* nothing to add up, and much of it */
        tg_tensor *none = tg_to(tg_zeros(tg, TG_SHAPE(1500, 0)), i ? TG_F16 : TG_BF16), *y = tg_matmul(none, tg_transpose(none, 0, 1));
        CHECK(y && y->numel == 1500 * 1500 && tg_item(tg_sum(tg_to(tg_abs(y), TG_F32))) == 0);
    }
    for (i = 0; i < 8; i++) brains(1, 700 + i, 1030 - i, 300 + i, i);                     /* more than one chunk, and long ones */
}

/* A few columns of many rows and a large K: one column of all rows is more than a chunk should have. Products of 0s, 1s and 2s are exact. */
static void test_few_columns(void) {
    static const int64_t sizes[][3] = { { 397, 2, 13792 }, { 86, 6, 14132 }, { 229, 2, 25717 }, { 135, 3, 24727 } };
    size_t i;
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        tg_mark s = tg_begin(tg);
        const int64_t m = sizes[i][0], n = sizes[i][1], k = sizes[i][2];
        tg_tensor *a = tg_floor(tg_mul_scalar(tg_rand(tg, TG_SHAPE(m, k)), 3)), *b = tg_floor(tg_mul_scalar(tg_rand(tg, TG_SHAPE(k, n)), 3)), *y = tg_matmul(a, b);
        int64_t c;
        for (c = 0; c < n; c++) CHECK(y && tg_equal(tg_select(y, 1, c), tg_mv(a, tg_contiguous(tg_select(b, 1, c)))));
        tg_end(tg, s);
    }
}

int main(void) {
    test_after_small();
    tg = test_open();
    test_simple();
    test_added();
    test_einsum();
    test_contractions();
    test_matrices();
    test_cov();
    test_distances();
    test_brains();
    test_few_columns();
    CHECK(!tg_failed(tg));
    if (tg_failed(tg)) printf("%s\n", tg_error_text(tg));
    test_close(tg);
    test_many_distances();
    test_memory();
    return test_end("products");
}
