/* run.sh flags: -lm */
/* What later chapters stand on, each with one real user: block-quantised types that pass through checks, copies and files; row-sparse gradients that the walk, hooks, accumulation and
   tg_grad carry; paths of layers in messages; one rule per operation for functions that are mapped over a batch. */
#include "test.h"
#include <math.h>

static tg_ctx *tg;
static tg_tensor *floats(int64_t n, double scale) {
    tg_tensor *t = tg_empty(tg, 1, &n, TG_F32);
    int64_t i;
    for (i = 0; i < n; i++) ((float *)t->data)[i] = (float)(scale * test_uniform(-1, 1));
    return t;
}

/* ---- block-quantised types ---- */
/* A file of one tensor w, [5, 96] of that type as bytes of zeros, and metadata that says so. NULL: refused. */
static tg_tensor *by_hand(tg_dtype d, const char *type, const char *said) {
    unsigned char bytes[1200];
    const size_t size = tg_dtype_bytes(d, 480);
    int n = snprintf((char *)bytes + 8, 400, "{\"__metadata__\":{\"blocks.w\":\"%s\"},\"w\":{\"dtype\":\"%s\",\"shape\":[%d],\"data_offsets\":[0,%d]}}", said, type, (int)size, (int)size), i;
    tg_dict *f;
    tg_tensor *t;
    for (i = 0; i < 8; i++) bytes[i] = (unsigned char)(i < 2 ? n >> (8 * i) : 0);
    memset(bytes + 8 + n, 0, size);
    f = tg_safetensors_parse(tg, bytes, 8 + (size_t)n + size);
    t = f ? tg_clone(tg_dict_get(f, "w")) : NULL;
    tg_dict_free(f);
    return t && t->dtype == d && t->shape[1] == 96 ? t : NULL;
}
static void test_blocks(void) {
    static const tg_dtype kinds[2] = { TG_Q8_0, TG_Q4_0 };
    int k, i;
    for (k = 0; k < 2; k++) {
        tg_mark m = tg_begin(tg);
        tg_dtype d = kinds[k];
        tg_tensor *x = tg_reshape(floats(5 * 96, 3), TG_SHAPE(5, 96)), *q = tg_to(x, d), *y = tg_to(q, TG_F32), *h = tg_to(q, TG_F16), *c = tg_clone(q), *z;
        unsigned char bytes[5 * 3 * 34], other[sizeof bytes];
        size_t size = tg_dtype_bytes(d, 480);
        char line[200];
        CHECK(size == (d == TG_Q8_0 ? 510u : 270u) && tg_dtype_size(d) == 0 && tg_dtype_bytes(TG_F16, 3) == 6);
        CHECK(q && q->dtype == d && q->ndim == 2 && q->shape[0] == 5 && q->shape[1] == 96 && q->numel == 480 && y && h && c);
        CHECK(tg_read(q, bytes, size) && tg_read(c, other, size) && memcmp(bytes, other, size) == 0);
        CHECK(tg_read(tg_to(y, d), other, size) || tg_failed(tg)); CHECK_OK(tg);
        /* no number is further off than half a step (the f16 scale itself is rounded), and the largest of a block is a whole number of steps */
        for (i = 0; i < 480; i++) {
            const float *v = (const float *)x->data + i / 32 * 32;
            float most = 0, step;
            int e;
            for (e = 0; e < 32; e++) if (fabsf(v[e]) > most) most = fabsf(v[e]);
            step = d == TG_Q8_0 ? most / 127 : most / 8;
            CHECK_MSG(fabsf(((float *)y->data)[i] - ((float *)x->data)[i]) <= step * (d == TG_Q8_0 ? 0.57f : 1.01f) + most * 0.001f, "%s: element %d is %g, was %g", tg_dtype_name(d), i, (double)((float *)y->data)[i],
                      (double)((float *)x->data)[i]);
        }
        CHECK(tg_equal(tg_to(h, TG_F32), tg_to(tg_to(y, TG_F16), TG_F32)));
        CHECK(tg_equal(tg_to(tg_to(tg_t(tg_contiguous(tg_t(x))), d), TG_F32), y));       /* other strides, the same blocks */
        /* from bytes and back, borrowed memory */
        z = tg_from(tg, TG_SHAPE(5, 96), d, bytes);
        CHECK(tg_equal(tg_to(z, TG_F32), y));
        CHECK(tg_write(z, other, size) && tg_read(z, bytes, size) && memcmp(bytes, other, size) == 0);
        CHECK(tg_equal(tg_to(tg_wrap(tg, TG_SHAPE(5, 96), d, other), TG_F32), tg_to(tg_from(tg, TG_SHAPE(5, 96), d, other), TG_F32)));
        /* what reads numbers refuses them by name */
        CHECK(!tg_add(q, q)); CHECK_MSG(strstr(tg_error_text(tg), "block-quantised") && strstr(tg_error_text(tg), tg_dtype_name(d)), "%s", tg_error_text(tg)); CHECK_ERROR(tg, TG_ERROR_DTYPE);
        CHECK(!tg_slice(q, "0")); CHECK_ERROR(tg, TG_ERROR_DTYPE);
        CHECK(!tg_matmul(x, q)); CHECK_ERROR(tg, TG_ERROR_DTYPE);
        (void)tg_item(q); CHECK_ERROR(tg, TG_ERROR_DTYPE);
        CHECK(!tg_zeros_like(q)); CHECK_ERROR(tg, TG_ERROR_DTYPE);
        CHECK(!tg_full(tg, TG_SHAPE(32), 1, d)); CHECK_ERROR(tg, TG_ERROR_DTYPE);
        CHECK(!tg_to(tg_arange(tg, 0, 32, 1, TG_I64), d)); CHECK_ERROR(tg, TG_ERROR_DTYPE);
        CHECK(!tg_to(q, TG_I32)); CHECK_ERROR(tg, TG_ERROR_DTYPE);
        CHECK(!tg_to(tg_ones(tg, TG_SHAPE(4, 31)), d)); CHECK_ERROR(tg, TG_ERROR_SHAPE);
        CHECK(!tg_to(tg_ones(tg, TG_SCALAR), d)); CHECK_ERROR(tg, TG_ERROR_SHAPE);
        CHECK(!tg_require_grad(q, true)); CHECK_ERROR(tg, TG_ERROR_DTYPE);
        CHECK(tg_format_line(q, line, sizeof line) > 0 && strstr(line, d == TG_Q8_0 ? "q8_0[5, 96]" : "q4_0[5, 96]"));
        z = tg_to(tg_zeros(tg, TG_SHAPE(0, 64)), d); CHECK(z && z->numel == 0 && tg_to(z, TG_F32));
        /* zeros, one number that is no number */
        CHECK(tg_equal(tg_to(tg_to(tg_zeros(tg, TG_SHAPE(64)), d), TG_F32), tg_zeros(tg, TG_SHAPE(64))));
        /* through a file */
        {
            tg_dict *f = tg_dict_new(tg), *g;
            tg_tensor *file;
            CHECK(tg_dict_set(f, "layer.weight", q) && tg_dict_set(f, "bias", x) && tg_dict_set_meta(f, "format", "test"));
            file = tg_safetensors_bytes(f);
            g = file ? tg_safetensors_parse(tg, file->data, (size_t)file->numel) : NULL;
            CHECK_OK(tg);
            z = g ? tg_dict_get(g, "layer.weight") : NULL;
            CHECK(z && z->dtype == d && z->ndim == 2 && z->shape[1] == 96 && tg_read(z, bytes, size) && tg_read(q, other, size) && memcmp(bytes, other, size) == 0);
            CHECK(g && tg_equal(tg_dict_get(g, "bias"), x));
            tg_dict_free(g);
            /* of the tensor that is there now: another in its place, of another kind, of none */
            CHECK(tg_dict_set(f, "layer.weight", tg_to(tg_zeros(tg, TG_SHAPE(2, 32)), kinds[!k])));
            file = tg_safetensors_bytes(f); g = file ? tg_safetensors_parse(tg, file->data, (size_t)file->numel) : NULL;
            CHECK(g && tg_dict_get(g, "layer.weight")->dtype == kinds[!k] && tg_dict_get(g, "layer.weight")->shape[1] == 32);
            CHECK(g && tg_dict_set(g, "layer.weight", x));
            file = g ? tg_safetensors_bytes(g) : NULL; tg_dict_free(g); g = file ? tg_safetensors_parse(tg, file->data, (size_t)file->numel) : NULL;
            CHECK(g && tg_equal(tg_dict_get(g, "layer.weight"), x) && tg_dict_meta_count(g) == 1);
            tg_dict_free(g); tg_dict_free(f);
            CHECK_OK(tg);
            /* metadata of that name that names no tensor is anybody's text */
            f = tg_dict_new(tg); CHECK(tg_dict_set_meta(f, "blocks.elsewhere", "three of oak") && tg_dict_set(f, "x", x));
            file = tg_safetensors_bytes(f); g = file ? tg_safetensors_parse(tg, file->data, (size_t)file->numel) : NULL;
            CHECK(g && tg_dict_meta(g, "blocks.elsewhere") && !strcmp(tg_dict_meta(g, "blocks.elsewhere"), "three of oak")); CHECK_OK(tg);
            tg_dict_free(g);
            /* a name that JSON writes otherwise */
            CHECK(tg_dict_set(f, "a\"b\\c\n", q)); file = tg_safetensors_bytes(f); g = file ? tg_safetensors_parse(tg, file->data, (size_t)file->numel) : NULL;
            CHECK(g && tg_dict_get(g, "a\"b\\c\n") && tg_dict_get(g, "a\"b\\c\n")->dtype == d);
            tg_dict_free(g); tg_dict_free(f);
            /* what does not fit is an error, and nothing of it remains */
            { static const char *const bad[] = { "q8_0 5", "q8_0 5 97", "q8_0 x", "f32 5 96", "q8_0 -5 96", "q8_0 5 96 1000000000000 1000000000000", "", "q8_0 5 960", "q8_0", "q8_0 5 96 ", "q8_05 96", "q8_0 0 3", "q8_0 5 96 1 1 1 1 1 1 1" };
              CHECK(by_hand(TG_Q8_0, "U8", "q8_0 5 96") && by_hand(TG_Q8_0, "U8", "q8_0 1 5 96 1 1 32") == NULL); CHECK_ERROR(tg, TG_ERROR_FORMAT);
              CHECK(!by_hand(TG_Q8_0, "I8", "q8_0 5 96")); CHECK_ERROR(tg, TG_ERROR_FORMAT);
              CHECK(!by_hand(TG_Q8_0, "F8_E4M3", "q8_0 5 96")); CHECK_ERROR(tg, TG_ERROR_FORMAT);
              CHECK(!by_hand(TG_Q8_0, "BOOL", "q8_0 5 96")); CHECK_ERROR(tg, TG_ERROR_FORMAT);
              for (i = 0; i < (int)(sizeof bad / sizeof *bad); i++) {
                  CHECK_MSG(!by_hand(TG_Q8_0, "U8", bad[i]), "'%s'", bad[i]);
                  CHECK_ERROR(tg, TG_ERROR_FORMAT);
              } }
        }
        tg_end(tg, m);
    }
    CHECK_OK(tg);
}

/* ---- row-sparse gradients ---- */
static int hook_calls;
static tg_tensor *halve(void *user, tg_tensor *g) {
    (void)user;
    hook_calls++;
    if (!tg_is_sparse(g)) return tg_mul_scalar(g, 0.5);
    return tg_sparse_new(tg_sparse_rows(g), tg_mul_scalar(tg_sparse_values(g), 0.5), g->shape[0]);
}
/* an operation from outside, and a hook, whose gradient is whatever the test says */
static tg_tensor *given;
static bool outside_check(tg_ctx *ctx, tg__node *n) { (void)ctx; return tg_node_make(n, 0, TG_F32, tg_node_in(n, 0)->ndim, tg_node_in(n, 0)->shape); }
static bool outside_forward(tg_ctx *ctx, tg__node *n) { (void)ctx; memcpy(tg_node_out(n, 0)->data, tg_node_in(n, 0)->data, (size_t)tg_node_in(n, 0)->numel * 4); return true; }
static bool outside_backward(tg_ctx *ctx, tg__node *n, tg_tensor **g, tg_tensor **dx) { (void)ctx; (void)n; (void)g; dx[0] = given; return true; }
static const tg_op outside_op = { .name = "outside", .version = 1, .n_in = 1, .n_out = 1, .check = outside_check, .forward = outside_forward, .backward = outside_backward };
static tg_tensor *outside(tg_tensor *x) { return tg_call(&outside_op, NULL, &x, 1, NULL); }
static tg_tensor *gives(void *user, tg_tensor *g) { (void)g; return (tg_tensor *)user; }
static tg_tensor *table(tg_tensor *w) { return tg_require_grad(tg_sparse_grad(tg_clone(tg_detach(w)), true), true); }
static void test_sparse(void) {
    int64_t first[5] = { 3, 0, 3, 6, 3 }, second[3] = { 1, 6, 6 };
    tg_mark m = tg_begin(tg);
    tg_tensor *w = tg_reshape(floats(21, 1), TG_SHAPE(7, 3)), *i = tg_from(tg, TG_SHAPE(5), TG_I64, first), *j = tg_from(tg, TG_SHAPE(3), TG_I64, second), *a = table(w), *b = tg_require_grad(tg_clone(w), true), *g, *h, *seed = tg_reshape(floats(15, 1), TG_SHAPE(5, 3));
    /* first use: rows alone, and they add up to the dense gradient */
    CHECK(tg_backward(tg_index_select(a, 0, i), .gradient = seed) && tg_backward(tg_index_select(b, 0, i), .gradient = seed));
    g = a->grad;
    CHECK(g && tg_is_sparse(g) && !g->data && g->ndim == 2 && g->shape[0] == 7 && g->shape[1] == 3 && g->numel == 21 && !tg_is_sparse(b->grad));
    CHECK(tg_equal(tg_sparse_rows(g), i) && tg_equal(tg_sparse_values(g), seed) && tg_equal(tg_to_dense(g), b->grad) && tg_to_dense(b->grad) == b->grad);
    /* accumulation: two sparse ones are sparse, a dense one makes it dense */
    CHECK(tg_backward(tg_sum(tg_index_select(a, 0, j))) && tg_backward(tg_sum(tg_index_select(b, 0, j))));
    CHECK(tg_is_sparse(a->grad) && tg_sparse_rows(a->grad)->numel == 8 && tg_allclose(tg_to_dense(a->grad), b->grad, 1e-6, 1e-6));
    CHECK(tg_backward(tg_sum(tg_square(a))) && tg_backward(tg_sum(tg_square(b))));
    CHECK(!tg_is_sparse(a->grad) && tg_allclose(a->grad, b->grad, 1e-6, 1e-6));
    CHECK(tg_backward(tg_sum(tg_index_select(a, 0, j))) && tg_backward(tg_sum(tg_index_select(b, 0, j))));
    CHECK(!tg_is_sparse(a->grad) && tg_allclose(a->grad, b->grad, 1e-6, 1e-6));
    /* several uses in one walk; with a dense one among them */
    a = table(w); b = tg_require_grad(tg_clone(w), true);
    CHECK(tg_backward(tg_add(tg_sum(tg_exp(tg_index_select(a, 0, i))), tg_sum(tg_index_select(a, 0, j)))) && tg_backward(tg_add(tg_sum(tg_exp(tg_index_select(b, 0, i))), tg_sum(tg_index_select(b, 0, j)))));
    CHECK(tg_is_sparse(a->grad) && tg_allclose(tg_to_dense(a->grad), b->grad, 1e-6, 1e-6));
    CHECK(tg_zero_grad(a) && !a->grad && tg_zero_grad(b));
    CHECK(tg_backward(tg_add(tg_sum(tg_index_select(a, 0, i)), tg_sum(tg_square(a)))) && tg_backward(tg_add(tg_sum(tg_index_select(b, 0, i)), tg_sum(tg_square(b)))));
    CHECK(!tg_is_sparse(a->grad) && tg_allclose(a->grad, b->grad, 1e-6, 1e-6));
    /* hooks see it and may give another */
    a = table(w); hook_calls = 0;
    CHECK(tg_hook(a, halve, NULL) && tg_backward(tg_index_select(a, 0, i), .gradient = seed) && hook_calls == 1);
    CHECK(tg_is_sparse(a->grad) && tg_equal(tg_sparse_values(a->grad), tg_mul_scalar(seed, 0.5)));
    /* tg_grad hands it out; where it is to be differentiated again it is dense */
    a = table(w);
    { tg_tensor *y = tg_index_select(a, 0, i); CHECK(tg_grad(&y, 1, &a, 1, &g, .grad_outputs = &seed, .retain_graph = true) && tg_is_sparse(g) && !a->grad && tg_equal(tg_sparse_values(g), seed));
      CHECK(tg_grad(&y, 1, &a, 1, &h, .grad_outputs = &seed, .create_graph = true) && !tg_is_sparse(h) && tg_equal(h, tg_to_dense(g))); }
    /* kept beyond its scope, then released with its rows */
    { tg_mark inner = tg_begin(tg); tg_keep(g); tg_end(tg, inner); CHECK(tg_is_sparse(g) && tg_sparse_rows(g)->numel == 5); tg_drop(g); }
    /* along another dimension, of no leaf, through an index of i32, of nothing */
    a = table(w); CHECK(tg_backward(tg_sum(tg_index_select(a, 1, tg_from(tg, TG_SHAPE(1), TG_I64, second)))) && !tg_is_sparse(a->grad));
    a = table(w); CHECK(tg_backward(tg_sum(tg_index_select(tg_mul_scalar(a, 2), 0, i))) && !tg_is_sparse(a->grad));
    a = table(w); CHECK(tg_backward(tg_sum(tg_index_select(a, 0, tg_to(i, TG_I32)))) && tg_is_sparse(a->grad) && tg_sparse_rows(a->grad)->dtype == TG_I64);
    a = table(w); CHECK(tg_backward(tg_sum(tg_index_select(a, 0, tg_slice(i, "0:0")))) && tg_is_sparse(a->grad) && tg_equal(tg_to_dense(a->grad), tg_zeros_like(w)));
    /* anomaly mode looks at its rows */
    a = table(w);
    { bool was = tg_anomaly(tg, true); CHECK(!tg_backward(tg_index_select(a, 0, i), .gradient = tg_div_scalar(seed, 0))); CHECK_ERROR(tg, TG_ERROR_NUMERIC); tg_anomaly(tg, was); }
    /* what takes numbers refuses it; what asks for rows refuses others */
    CHECK(!tg_add(g, g)); CHECK_MSG(strstr(tg_error_text(tg), "row-sparse; tg_to_dense it first") != NULL, "%s", tg_error_text(tg)); CHECK_ERROR(tg, TG_ERROR_DTYPE);
    CHECK(!tg_clone(g)); CHECK_ERROR(tg, TG_ERROR_DTYPE);
    CHECK(!tg_read_f32(g, NULL, 0)); CHECK_ERROR(tg, TG_ERROR_DTYPE);
    CHECK(!tg_sparse_rows(w)); CHECK_ERROR(tg, TG_ERROR_VALUE);
    CHECK(!tg_sparse_values(w)); CHECK_ERROR(tg, TG_ERROR_VALUE);
    CHECK(!tg_sparse_grad(tg_mul(a, a), true)); CHECK_ERROR(tg, TG_ERROR_GRAD);
    CHECK(!tg_sparse_new(i, w, 7)); CHECK_ERROR(tg, TG_ERROR_SHAPE);
    CHECK(!tg_sparse_new(w, w, 7)); CHECK_ERROR(tg, TG_ERROR_DTYPE);
    CHECK(!tg_sparse_new(i, seed, -1)); CHECK_ERROR(tg, TG_ERROR_VALUE);
    g = tg_sparse_new(i, seed, 3); CHECK(g && !tg_to_dense(g)); CHECK_ERROR(tg, TG_ERROR_VALUE);      /* row 6 of 3 */
    { char line[200]; CHECK(g && tg_format_line(g, line, sizeof line) > 0 && strstr(line, "f32[3, 3] row-sparse, rows 5")); }
    tg_end(tg, m);
    CHECK_OK(tg);
}
static void test_sparse_strangers(void) {
    int64_t rows[5] = { 3, 0, 3, 6, 3 };
    tg_mark m = tg_begin(tg);
    tg_tensor *w = tg_reshape(floats(21, 1), TG_SHAPE(7, 3)), *i = tg_from(tg, TG_SHAPE(5), TG_I64, rows), *seed = tg_reshape(floats(15, 1), TG_SHAPE(5, 3)), *sparse = tg_sparse_new(i, seed, 7);
    tg_tensor *dense = tg_to_dense(sparse), *values = tg_clone(seed), *index = tg_clone(i), *a, *b, *y, *h, *g;
    /* one that an operation from outside gives is made dense before another operation's derivative reads it; a leaf takes it as it is */
    given = sparse;
    a = tg_require_grad(tg_clone(w), true); CHECK(tg_backward(tg_sum(outside(tg_exp(a)))) && !tg_is_sparse(a->grad) && tg_allclose(a->grad, tg_mul(dense, tg_exp(w)), 1e-6, 1e-6));
    a = tg_require_grad(tg_clone(w), true); CHECK(tg_backward(tg_sum(outside(tg_matmul(a, tg_eye(tg, 3))))) && !tg_is_sparse(a->grad) && tg_allclose(a->grad, dense, 1e-6, 1e-6));
    a = tg_require_grad(tg_clone(w), true); CHECK(tg_backward(tg_sum(outside(a))) && tg_is_sparse(a->grad) && tg_equal(tg_to_dense(a->grad), dense));
    a = tg_require_grad(tg_clone(w), true); y = tg_sum(tg_add(outside(tg_exp(a)), tg_exp(a)));
    CHECK(tg_grad(&y, 1, &a, 1, &g) && !tg_is_sparse(g) && tg_allclose(g, tg_mul(tg_add_scalar(dense, 1), tg_exp(w)), 1e-6, 1e-6));
    /* of a hook it is refused where the tensor is no leaf, and so as the gradient of a loss; nothing has arrived anywhere */
    a = tg_require_grad(tg_clone(w), true); h = tg_exp(a); CHECK(tg_hook(h, gives, sparse) && !tg_backward(tg_sum(tg_mul_scalar(h, 2)))); CHECK_ERROR(tg, TG_ERROR_DTYPE); CHECK(!a->grad);
    h = tg_matmul(a, tg_eye(tg, 3)); CHECK(tg_hook(h, gives, sparse) && !tg_backward(tg_sum(h))); CHECK_ERROR(tg, TG_ERROR_DTYPE); CHECK(!a->grad);
    CHECK(!tg_backward(tg_exp(a), .gradient = sparse)); CHECK_ERROR(tg, TG_ERROR_DTYPE); CHECK(!a->grad);
    y = tg_exp(a); CHECK(!tg_grad(&y, 1, &a, 1, &g, .grad_outputs = &sparse)); CHECK_ERROR(tg, TG_ERROR_DTYPE);
    CHECK(tg_hook(a, gives, sparse) && tg_backward(tg_sum(a)) && tg_is_sparse(a->grad) && tg_equal(tg_to_dense(a->grad), dense));
    /* what a leaf has is its own: neither the index, wherever it lies, nor the values are the caller's any more, nor another leaf's */
    a = table(w); CHECK(tg_backward(tg_index_select(a, 0, i), .gradient = seed) && tg_is_sparse(a->grad));
    b = tg_require_grad(tg_clone(w), true); CHECK(tg_hook(b, gives, sparse) && tg_backward(tg_sum(b)) && tg_is_sparse(b->grad));
    CHECK(tg_fill_(i, 77) && tg_fill_(seed, 9));
    CHECK(tg_equal(tg_sparse_rows(a->grad), index) && tg_equal(tg_sparse_values(a->grad), values) && tg_equal(tg_sparse_rows(b->grad), index) && tg_equal(tg_sparse_values(b->grad), values));
    { int64_t mine[5]; memcpy(mine, rows, sizeof mine); a = table(w); CHECK(tg_backward(tg_sum(tg_index_select(a, 0, tg_wrap(tg, TG_SHAPE(5), TG_I64, mine))))); memset(mine, 0x55, sizeof mine); }
    CHECK(tg_equal(tg_sparse_rows(a->grad), index));
    a = table(w); b = table(w);
    CHECK(tg_backward(tg_sum(tg_add(tg_index_select(a, 0, index), tg_index_select(b, 0, index)))) && tg_fill_(tg_sparse_values(a->grad), 5) && tg_fill_(tg_sparse_rows(a->grad), 2));
    CHECK(tg_equal(tg_sparse_values(b->grad), tg_ones_like(values)) && tg_equal(tg_sparse_rows(b->grad), index));
    tg_end(tg, m);
    CHECK_OK(tg);
}

/* ---- paths of layers ---- */
static void test_path(void) {
    size_t outer = tg_path_begin(tg, "encoder"), inner = tg_path_begin(tg, "0"), at;
    int i;
    (void)tg_path_begin(tg, "attn");
    CHECK(!tg_add(tg_ones(tg, TG_SHAPE(2)), tg_ones(tg, TG_SHAPE(3)))); CHECK_MSG(strncmp(tg_error_text(tg), "encoder.0.attn: add: shapes ", 28) == 0, "%s", tg_error_text(tg)); tg_clear(tg);
    tg_path_end(tg, inner);                                                    /* takes attn along */
    CHECK(!tg_neg(tg_ones(tg, TG_SHAPE(0)) == NULL ? NULL : tg_gt_scalar(tg_ones(tg, TG_SHAPE(1)), 0))); CHECK_MSG(strncmp(tg_error_text(tg), "encoder: neg: ", 14) == 0, "%s", tg_error_text(tg)); tg_clear(tg);
    tg_path_end(tg, outer); tg_path_end(tg, inner); tg_path_end(tg, 1000);
    CHECK(!tg_view(tg_ones(tg, TG_SHAPE(2)), TG_SHAPE(3))); CHECK_MSG(strncmp(tg_error_text(tg), "view: ", 6) == 0, "%s", tg_error_text(tg)); tg_clear(tg);
    for (at = tg_path_begin(tg, "a"), i = 0; i < 200; i++) (void)tg_path_begin(tg, "layer");
    CHECK(!tg_view(tg_ones(tg, TG_SHAPE(2)), TG_SHAPE(3))); CHECK(strstr(tg_error_text(tg), "a.layer.layer.") == tg_error_text(tg) && strstr(tg_error_text(tg), ": view: ")); tg_clear(tg);
    tg_path_end(tg, at);
    CHECK(!tg_view(tg_ones(tg, TG_SHAPE(2)), TG_SHAPE(3))); CHECK(strncmp(tg_error_text(tg), "view: ", 6) == 0); tg_clear(tg);
    CHECK(tg_path_begin(NULL, "x") == 0);
    tg_path_end(NULL, 0);
}

/* ---- attributes are printed, on the tape and in the ring of calls ---- */
static void printed(tg_tensor *t, const char *want, int line) {
    char text[1000];
    CHECK_MSG(t && tg_tape_text(t, text, sizeof text) > 0 && strstr(text, want), "line %d: the tape has not '%s': %s", line, want, t ? text : tg_error_text(tg));
    (void)tg_traceback(tg, text, sizeof text);
    CHECK_MSG(strncmp(text, want, strlen(want)) == 0, "line %d: the ring begins not with '%s': %s", line, want, text);
    tg_clear(tg);
}
#define PRINTED(call, want) printed(call, want, __LINE__)
static void test_attributes(void) {
    tg_mark m = tg_begin(tg);
    tg_tensor *x = tg_require_grad(tg_ones(tg, TG_SHAPE(2, 3)), true), *im = tg_require_grad(tg_ones(tg, TG_SHAPE(1, 1, 4, 4)), true);
    PRINTED(tg_sum_dims(x, TG_DIMS(1), true), "sum dims=[1] keepdim");
    PRINTED(tg_sum_dims(x, TG_DIMS(0, -1), false), "sum dims=[0, -1] ");
    PRINTED(tg_sum(x), "sum ");
    PRINTED(tg_softplus(x, 1.5, 20), "softplus beta=1.5 threshold=20");
    PRINTED(tg_leaky_relu(x, 0.25), "leaky_relu negative_slope=0.25");
    PRINTED(tg_to(x, TG_F16), "to dtype=f16");
    PRINTED(tg_permute(x, TG_DIMS(1, 0)), "permute dims=[1, 0]");
    PRINTED(tg_sort(x, 1, true, NULL), "sort dim=1 descending");
    PRINTED(tg_conv2d(im, im, NULL, .stride = {2, 1}, .padding = {0, 3}), "conv2d stride=[2, 1] padding=[0, 3] dilation=[1, 1] groups=1 size=[1, 7]");
    PRINTED(tg_expand(x, TG_SHAPE(4, 2, 3)), "expand shape=[4, 2, 3]");
    tg_end(tg, m);
    CHECK_OK(tg);
}

/* ---- mapping over a batch ---- */
static bool one_example(void *user, tg_tensor *const *x, int n, tg_tensor **y, int m) {        /* x [3], s [], w [4, 3]: shapes of one example */
    tg_tensor *w = (tg_tensor *)user;
    CHECK(n == 2 && m == 2 && x[0]->ndim == 1 && x[0]->shape[0] == 3 && x[0]->numel == 3 && x[1]->ndim == 0 && !x[0]->data);
    y[0] = tg_tanh(tg_add(tg_mul(x[0], x[1]), tg_mul(w, tg_exp(x[0]))));                        /* [4, 3] */
    y[1] = tg_mul(w, w);                                                                       /* does not depend on the example */
    return y[0] && y[1];
}
static bool reads(void *user, tg_tensor *const *x, int n, tg_tensor **y, int m) { (void)user; (void)n; (void)m; y[0] = tg_item(x[0]) > 0 ? tg_neg(x[0]) : x[0]; return y[0] != NULL; }
static bool writes(void *user, tg_tensor *const *x, int n, tg_tensor **y, int m) { (void)user; (void)n; (void)m; y[0] = tg_neg_(x[0]); return y[0] != NULL; }
static bool ends(void *user, tg_tensor *const *x, int n, tg_tensor **y, int m) { (void)n; (void)m; (void)tg_grad_mode(tg, false); tg_end(tg, *(tg_mark *)user); y[0] = tg_neg(x[0]); return y[0] != NULL; }
static bool forgets(void *user, tg_tensor *const *x, int n, tg_tensor **y, int m) { (void)user; (void)n; (void)m; (void)x; y[0] = NULL; return true; }
static void test_vmap(void) {
    tg_mark m = tg_begin(tg);
    tg_tensor *in[2], *out[2], *w = tg_require_grad(tg_reshape(floats(12, 1), TG_SHAPE(4, 3)), true), *gw[3], *parts[5], *leaf[3], *want, *seed = tg_reshape(floats(60, 1), TG_SHAPE(5, 4, 3));
    tg_function_call c;
    int i;
    memset(&c, 0, sizeof c);
    in[0] = tg_require_grad(tg_reshape(floats(15, 1), TG_SHAPE(5, 3)), true); in[1] = tg_require_grad(floats(5, 1), true);
    c.f = one_example; c.user = w; c.inputs = in; c.n_inputs = 2; c.n_outputs = 2;
    CHECK(tg_vmap(&c, out)); CHECK_OK(tg);
    CHECK(out[0] && out[0]->ndim == 3 && out[0]->shape[0] == 5 && out[0]->data && out[1] && out[1]->ndim == 3 && out[1]->shape[0] == 5);
    for (i = 0; i < 5; i++) {
        tg_tensor *x = tg_select(in[0], 0, i), *s = tg_select(in[1], 0, i);
        parts[i] = tg_tanh(tg_add(tg_mul(x, s), tg_mul(w, tg_exp(x))));
        CHECK(tg_equal(tg_select(out[0], 0, i), parts[i]) && tg_equal(tg_select(out[1], 0, i), tg_square(w)));
    }
    want = tg_stack(parts, 5, 0);
    leaf[0] = in[0]; leaf[1] = in[1]; leaf[2] = w;
    CHECK(tg_grad(&want, 1, leaf, 3, parts, .grad_outputs = &seed) && tg_grad(out, 1, leaf, 3, gw, .grad_outputs = &seed));
    for (i = 0; i < 3; i++) CHECK(tg_allclose(gw[i], parts[i], 1e-5, 1e-6));
    /* refused by name, and nothing comes out */
    c.n_outputs = 1;
    c.f = writes; out[0] = w; CHECK(!tg_vmap(&c, out) && !out[0]); CHECK_MSG(strncmp(tg_error_text(tg), "neg_: it writes in place", 24) == 0, "%s", tg_error_text(tg)); CHECK_ERROR(tg, TG_ERROR_UNSUPPORTED);
    c.f = reads; in[0] = floats(5, 1); CHECK(!tg_vmap(&c, out) && !out[0]); CHECK_ERROR(tg, TG_ERROR_UNSUPPORTED);
    c.f = forgets; CHECK(!tg_vmap(&c, out) && !out[0]); CHECK_ERROR(tg, TG_ERROR_VALUE);
    c.f = ends; c.user = &m; CHECK(!tg_vmap(&c, out) && !out[0]); CHECK_ERROR(tg, TG_ERROR_VALUE); CHECK(tg_grad_mode(tg, true));      /* a callback as all others */
    c.f = one_example; c.user = w; in[1] = floats(4, 1); CHECK(!tg_vmap(&c, out)); CHECK_ERROR(tg, TG_ERROR_SHAPE);
    in[1] = tg_number(tg, 3); CHECK(!tg_vmap(&c, out)); CHECK_ERROR(tg, TG_ERROR_SHAPE);
    CHECK(!tg_vmap(NULL, out));
    tg_end(tg, m);
    CHECK_OK(tg);
}
/* A tensor inside tg_vmap stands for every example of that one: another tg_vmap, or what reads, keeps or shares numbers, has no use for it. */
static tg_tensor *from_outside, *escaped;
#define MAPPED(f) static bool f(void *user, tg_tensor *const *x, int n, tg_tensor **y, int m)
static bool map(tg_function f, void *user, tg_tensor *x, tg_tensor **y) {
    tg_function_call c;
    memset(&c, 0, sizeof c);
    c.f = f; c.user = user; c.inputs = &x; c.n_inputs = c.n_outputs = 1;
    return tg_vmap(&c, y);
}
static void other_vmap(int line) {
    CHECK_MSG(strstr(tg_error_text(tg), "inside another tg_vmap") != NULL && tg_error(tg) == TG_ERROR_DTYPE, "line %d: %s", line, tg_error_text(tg));
    tg_clear(tg);
}
MAPPED(uses) { (void)user; (void)n; (void)m; y[0] = tg_mul(x[0], from_outside); return y[0] != NULL; }
MAPPED(hands_on) { (void)user; (void)n; (void)m; (void)x; y[0] = from_outside; return true; }
MAPPED(lets_out) { (void)user; (void)n; (void)m; y[0] = escaped = tg_keep(tg_exp(x[0])); return y[0] != NULL; }
MAPPED(twice) { (void)user; (void)n; (void)m; y[0] = tg_add(x[0], x[0]); return y[0] != NULL; }
MAPPED(nests) {                                                                /* the inner one is mapped over user: 3 examples, of which the outer one has 5 */
    tg_tensor *z;
    (void)n; (void)m;
    from_outside = x[0];
    CHECK(!map(uses, NULL, (tg_tensor *)user, &z) && !z); other_vmap(__LINE__);
    CHECK(!map(hands_on, NULL, (tg_tensor *)user, &z) && !z); other_vmap(__LINE__);
    CHECK(map(twice, NULL, (tg_tensor *)user, &z)); CHECK(z && z->data && z->shape[0] == 3);          /* by itself it may be there, and this one goes on behind it */
    y[0] = tg_mul(x[0], tg_sum(z));
    return y[0] != NULL;
}
#define REFUSED(call) (CHECK(!(call)), CHECK_ERROR(tg, TG_ERROR_UNSUPPORTED))
static bool misuse_hooked;
static tg_tensor *misuse_hook(void *user, tg_tensor *g) { (void)user; misuse_hooked = true; return g; }
MAPPED(misuses) {                                                              /* x [4] */
    tg_ctx *other = (tg_ctx *)user;
    tg_tensor *w = tg_require_grad(tg_ones(tg, TG_SHAPE(4)), true), *d, *index = tg_from(tg, TG_SHAPE(4), TG_I64, (int64_t[4]){ 0, 1, 2, 3 }), *loss = tg_exp(w), *g;
    tg_dict *dict = tg_dict_new(tg);
    float v[4] = { 9, 9, 9, 9 };
    int64_t at[1] = { 2 };
    const char *file = "test_sockets.tmp";
    (void)n; (void)m;
    d = tg_detach(x[0]); CHECK(d && d != x[0] && !d->data && d->ndim == 1 && d->shape[0] == 4 && !d->requires_grad); CHECK_OK(tg);   /* is mapped as x is */
    REFUSED(tg_set(x[0], at, 3)); REFUSED(tg_write(x[0], v, sizeof v)); REFUSED(tg_fill_(x[0], 3)); REFUSED(tg_copy_(w, x[0]));
    CHECK(tg_get(x[0], at) != 3); CHECK_ERROR(tg, TG_ERROR_UNSUPPORTED); REFUSED(tg_read(x[0], v, sizeof v)); REFUSED(tg_read_f32(x[0], v, 4)); CHECK(v[0] == 9 && v[3] == 9);
    REFUSED(tg_set(d, at, 3)); REFUSED(tg_write(d, v, sizeof v));
    REFUSED(tg_backward(loss, .gradient = x[0])); CHECK(!w->grad); REFUSED(tg_grad(&loss, 1, &w, 1, &g, .grad_outputs = x)); REFUSED(tg_backward(w, .gradient = x[0])); CHECK(!w->grad);
    REFUSED(tg_share(tg, x[0])); REFUSED(tg_share(other, x[0])); CHECK_OK(other);
    REFUSED(tg_dict_set(dict, "x", x[0])); REFUSED(tg_dict_set_raw(dict, "x", "U8", TG_SHAPE(4), x[0])); CHECK_INT(tg_dict_count(dict), 0);
    remove(file); REFUSED(tg_npy_save(x[0], file)); CHECK(remove(file) != 0); REFUSED(tg_npy_bytes(x[0]));
    REFUSED(tg_sparse_new(index, x[0], 4)); REFUSED(tg_sparse_new(x[0], w, 4)); REFUSED(tg_sparse_grad(d, true));
    REFUSED(tg_require_grad(x[0], true)); REFUSED(tg_require_grad(d, true)); REFUSED(tg_hook(x[0], misuse_hook, NULL)); REFUSED(tg_retain_grad(tg_exp(x[0])));
    tg_dict_free(dict);
    y[0] = tg_add(tg_exp(x[0]), d);
    return y[0] != NULL;
}
static void test_vmap_misuse(void) {
    tg_mark m = tg_begin(tg);
    tg_tensor *x5 = floats(5, 1), *x3 = floats(3, 1), *x = tg_require_grad(tg_reshape(floats(8, 1), TG_SHAPE(2, 4)), true), *y;
    tg_ctx *other = test_open();
    CHECK(map(nests, x3, x5, &y) && tg_allclose(y, tg_mul(x5, tg_sum(tg_add(x3, x3))), 1e-6, 1e-6)); CHECK_OK(tg);
    CHECK(map(lets_out, NULL, x5, &y)); from_outside = escaped;
    CHECK(!map(uses, NULL, x5, &y) && !y); other_vmap(__LINE__);                /* of as many examples, and of fewer */
    CHECK(!map(uses, NULL, x3, &y) && !y); other_vmap(__LINE__);
    CHECK(!map(hands_on, NULL, x3, &y) && !y); other_vmap(__LINE__);
    CHECK(!tg_exp(escaped)); other_vmap(__LINE__);
    CHECK(!tg_add(x5, escaped)); other_vmap(__LINE__);
    CHECK(tg_item(escaped) != tg_item(escaped)); other_vmap(__LINE__);
    CHECK(!tg_detach(escaped)); other_vmap(__LINE__);
    CHECK(!tg_backward(tg_sum(x), .gradient = escaped)); other_vmap(__LINE__);
    CHECK(!map(twice, NULL, escaped, &y)); other_vmap(__LINE__);
    tg_drop(escaped); CHECK_OK(tg);
    CHECK(map(misuses, other, x, &y)); CHECK_OK(tg);
    CHECK(y && tg_allclose(y, tg_add(tg_exp(x), tg_detach(x)), 1e-6, 1e-6) && tg_backward(tg_sum(y)) && !misuse_hooked);
    CHECK(tg_allclose(x->grad, tg_exp(x), 1e-6, 1e-6));                        /* through d nothing came back */
    tg_end(tg, m);
    CHECK_OK(tg);
    test_close(other);
}

int main(void) {
    tg = test_open();
    if (!tg) return test_end("sockets");
    test_blocks();
    test_sparse();
    test_sparse_strangers();
    test_path();
    test_attributes();
    test_vmap();
    test_vmap_misuse();
    test_close(tg);
    return test_end("sockets");
}
