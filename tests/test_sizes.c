/* run.sh flags: -Wl,--no-as-needed -lm */
/* Sizes: more than 2^31 elements, seen through strides; shapes whose number of elements overflows, or that no machine has room for; 8 dimensions; dimensions of size 1 everywhere; a million terms in a
   product. Tensors without elements go through every function in tests/test_opaque.c. */
#include "test.h"
#include <math.h>
#include "op_list.h"

static tg_ctx *tg;
static double el(tg_tensor *t, int64_t i) { t = tg_flatten(t, 0, -1); return t ? tg_get(t, &i) : -77; }
static bool wide(void) { if (sizeof(void *) > 4) return true; SKIP("addresses of 32 bits"); return false; }

/* ---- more than 2^31 elements ---- */
#define MANY ((INT64_C(1) << 31) + 3)
static void test_many(void) {
    const int64_t square[2] = { 32769, 65536 }, ones[2] = { 1, 1 }, row = 32768, place = row * 65536 + 65535, last = MANY - 1;
    const tg_mark m = tg_begin(tg);
    tg_tensor *line = tg_require_grad(tg_arange(tg, 1, 2, 1, TG_F32), true), *e = tg_expand(line, TG_SHAPE(MANY)), *ramp = tg_arange(tg, 0, 98304, 1, TG_F32), *w = tg_as_strided(ramp, 2, square, ones, 0), *y, *i, *p[4];
    char text[400];
    int64_t at[2];
    if (!wide()) { tg_end(tg, m); return; }
    /* w[i][j] is i + j, which is largest in its last element alone; e is 1 everywhere */
    CHECK(e && e->numel == MANY && w && w->numel == 32769 * INT64_C(65536));
    if (tg_isa_used(tg) != TG_ISA_PLAIN || test_all()) {               /* a second each with vectors; the plain kernels, perhaps under a sanitizer, take minutes */
        CHECK_INT(tg_item_i64(tg_argmax(w)), place);
        CHECK(tg_item(tg_mean(e)) == 1);
    }
    if (test_all()) {
        CHECK(tg_backward(tg_sum(e)) && tg_item(tg_grad_of(line)) == 2147483648.0);
        CHECK(tg_item(tg_amax(w)) == 98303 && tg_item(tg_amin(w)) == 0 && tg_item(tg_prod(e)) == 1);
        CHECK_NEAR(tg_item(tg_matmul(e, e)), MANY, 300);
        CHECK(tg_item_i64(tg_sum(tg_expand(tg_ones_like(tg_to(tg_detach(line), TG_U8)), TG_SHAPE(MANY)))) == MANY);
        CHECK(tg_equal(w, w));
    }
    CHECK(tg_item_i64(tg_any(e)) == 1 && tg_item_i64(tg_all(e)) == 1 && tg_item_i64(tg_any(tg_expand(tg_zeros(tg, TG_SHAPE(1, 3)), TG_SHAPE(MANY, 3)))) == 0);      /* without a copy: one of what is expanded */
    y = tg_all_dims(tg_expand(tg_reshape(tg_arange(tg, 0, 3, 1, TG_F64), TG_SHAPE(3, 1)), TG_SHAPE(2, 3, MANY)), TG_DIMS(0, -1), true); CHECK(y && y->ndim == 3 && y->shape[1] == 3 && el(y, 0) == 0 && el(y, 1) == 1);
    CHECK(tg_equal(e, e) && tg_allclose(e, tg_expand(tg_ones(tg, TG_SHAPE(1)), TG_SHAPE(MANY)), 0, 0));
    /* looked at and indexed far behind */
    at[0] = row; at[1] = 65535;
    CHECK(tg_get(w, at) == 98303 && tg_get(e, &last) == 1);
    i = tg_from(tg, TG_SHAPE(3), TG_I64, TG__DIMS(last, 0, -1));
    y = tg_index_select(e, 0, tg_narrow(i, 0, 0, 2)); CHECK(y && y->numel == 2 && el(y, 0) == 1);
    y = tg_gather(e, 0, tg_narrow(i, 0, 0, 2)); CHECK(y && el(y, 0) == 1);
    y = tg_take(e, i); CHECK(y && el(y, 2) == 1);
    y = tg_take_along_dim(w, tg_from(tg, TG_SHAPE(1, 2), TG_I64, TG__DIMS(65535, 7)), 1); CHECK(y && y->shape[0] == 32769 && el(y, 65536) == 98303 && el(y, 65537) == 32775);
    y = tg_select(w, 0, -1); CHECK(el(y, 65535) == 98303);
    y = tg_narrow(e, 0, last, 1); CHECK(el(y, 0) == 1); y = tg_slice(e, "2147483648:"); CHECK(y && y->numel == 3); y = tg_slice(e, "::-2147483647"); CHECK(y && y->numel == 2);
    y = tg_slice_dim(tg_transpose(w, 0, 1), 0, 65000, 65536, 535); CHECK(y && y->shape[0] == 2 && y->shape[1] == 32769 && el(y, 32769 + 32768) == 65535 + 32768);
    y = tg_unfold(e, 0, INT64_C(1) << 31, 2); CHECK(y && y->shape[0] == 2 && y->shape[1] == INT64_C(1) << 31);
    y = tg_diagonal(tg_expand(line, TG_SHAPE(1 << 20, MANY)), MANY - 2, 0, 1); CHECK(y && y->numel == 2);
    y = tg_permute(tg_expand(tg_detach(ramp), TG_SHAPE(40000, 98304)), TG_DIMS(1, 0)); CHECK(y && tg_get(y, TG__DIMS(98303, 39999)) == 98303);
    y = tg_reshape(e, TG_SHAPE(1, -1, 1)); CHECK(y && y->shape[1] == MANY && y->data == line->data);
    CHECK(tg_split(e, INT64_C(1) << 30, 0, p, 4) == 3 && p[2]->numel == 3);
    CHECK(tg_chunk(e, 2, 0, p, 4) == 2 && p[1]->numel == (INT64_C(1) << 30) + 1 && tg_tensor_split_at(e, TG_DIMS(INT64_C(1) << 31), 0, p) == 2 && p[1]->numel == 3);
    y = tg_sum_dims(tg_expand(tg_reshape(ramp, TG_SHAPE(98304, 1)), TG_SHAPE(98304, 3)), TG_DIMS(1), false); CHECK(el(y, 98303) == 3 * 98303.0);
    CHECK(tg_format(e, text, sizeof text) > 20 && strstr(text, "...") && tg_format_line(w, text, sizeof text) > 20 && strstr(text, "f32[32769, 65536]"));
    CHECK_OK(tg);
    tg_clear(tg);
    tg_end(tg, m);
}

/* ---- shapes that have too many elements: by their product, or by what a result needs. Each is refused in the name of the function, at once, and nothing is left ---- */
static void refused(bool gave, const char *name, const char *file, int line) {
    const tg_error_code code = tg_error(tg);
    const char *text = tg_error_text(tg);
    test_check(!gave, file, line, "%s gives something", name);
    test_check(code == TG_ERROR_SHAPE || code == TG_ERROR_VALUE || code == TG_ERROR_MEMORY, file, line, "%s: code %d: %s", name, (int)code, text);
    test_check(!strncmp(text, name, strlen(name)) && text[strlen(name)] == ':', file, line, "%s says: %s", name, text);
    test_check(strlen(text) < 400, file, line, "%s: a long message: %s", name, text);
    if (getenv("TEST_SHOW")) printf("%s\n", text);
    tg_clear(tg);
}
#define TOO_LARGE(name, ...) refused((__VA_ARGS__) ? 1 : 0, name, __FILE__, __LINE__)
static void test_too_large(void) {
    const int64_t big = INT64_C(1) << 40, most = INT64_MAX, eight[8] = { 1 << 8, 1 << 8, 1 << 8, 1 << 8, 1 << 8, 1 << 8, 1 << 8, 1 << 8 };
    const tg_memory_info was = tg_memory(tg);
    const tg_mark m = tg_begin(tg);
    tg_tensor *one = tg_ones(tg, TG_SHAPE(1)), *row, *column, *long_row, *none = tg_zeros(tg, TG_SHAPE(0)), *list[3], *grids[3], *many, *y;
    if (!wide()) { tg_end(tg, m); return; }
    row = tg_expand(one, TG_SHAPE(1, big)); column = tg_expand(one, TG_SHAPE(big, 1)); long_row = tg_expand(one, TG_SHAPE(big));
    many = tg_expand(one, TG_SHAPE(INT64_C(1) << 59)); list[0] = list[1] = list[2] = many;
    /* created */
    TOO_LARGE("zeros", tg_zeros(tg, TG_SHAPE(big, big))); TOO_LARGE("ones", tg_ones(tg, 8, eight)); TOO_LARGE("empty", tg_empty(tg, TG_SHAPE(most), TG_BOOL)); TOO_LARGE("empty", tg_empty(tg, TG_SHAPE(0, most, most), TG_U8));
    TOO_LARGE("full", tg_full(tg, TG_SHAPE(most, 2), 1, TG_U8)); TOO_LARGE("empty", tg_empty(tg, TG_SHAPE(most / 4), TG_F64)); TOO_LARGE("rand", tg_rand(tg, TG_SHAPE(big, 3))); TOO_LARGE("randint", tg_randint(tg, 0, 2, TG_SHAPE(most)));
    TOO_LARGE("eye", tg_eye(tg, big)); TOO_LARGE("eye", tg_eye(tg, most)); TOO_LARGE("eye_sized", tg_eye_sized(tg, most, most, TG_F32)); TOO_LARGE("arange", tg_arange(tg, 0, 1e30, 1, TG_F64)); TOO_LARGE("arange", tg_arange(tg, 0, 1, 1e-300, TG_F64));
    TOO_LARGE("arange", tg_arange(tg, 0, 1e12, 1, TG_I64)); TOO_LARGE("linspace", tg_linspace(tg, 0, 1, most, TG_F32)); TOO_LARGE("logspace", tg_logspace(tg, 0, 1, big, 10, TG_F64)); TOO_LARGE("randperm", tg_randperm(tg, most));
    TOO_LARGE("tril_indices", tg_tril_indices(tg, big, big, 0, TG_I64)); TOO_LARGE("triu_indices", tg_triu_indices(tg, most, most, -most, TG_I64)); TOO_LARGE("randperm", tg_randperm(tg, big));
    TOO_LARGE("new_zeros", tg_new_zeros(one, TG_SHAPE(big, big))); TOO_LARGE("zeros_like", tg_zeros_like(many)); TOO_LARGE("rand_like", tg_rand_like(long_row)); TOO_LARGE("from_f32", tg_from_f32(tg, TG_SHAPE(big, big), (const float *)one->data));
    TOO_LARGE("wrap", tg_wrap(tg, TG_SHAPE(big, big), TG_F32, one->data));
    /* views */
    TOO_LARGE("expand", tg_expand(one, TG_SHAPE(big, big))); TOO_LARGE("broadcast_to", tg_broadcast_to(one, TG_SHAPE(most, 2))); TOO_LARGE("view", tg_view(one, TG_SHAPE(big, big))); TOO_LARGE("reshape", tg_reshape(one, TG_SHAPE(-1, most, 4)));
    TOO_LARGE("view", tg_view(many, TG_SHAPE(INT64_C(1) << 62, INT64_C(1) << 62))); TOO_LARGE("as_strided", tg_as_strided(one, TG_SHAPE(big, big), TG__DIMS(0, 0), 0)); TOO_LARGE("as_strided", tg_as_strided(one, TG_SHAPE(3), TG__DIMS(most), 0));
    TOO_LARGE("as_strided", tg_as_strided(one, TG_SHAPE(2), TG__DIMS(1), most)); TOO_LARGE("as_strided", tg_as_strided(one, TG_SHAPE(2, 2), TG__DIMS(most, most), 0)); TOO_LARGE("unflatten", tg_unflatten(many, 0, TG_DIMS(big, big)));
    TOO_LARGE("unfold", tg_unfold(many, 0, INT64_C(1) << 58, 1)); TOO_LARGE("broadcast_tensors", (list[0] = row, list[1] = column, tg_broadcast_tensors(list, 2, grids)));
    /* copies */
    TOO_LARGE("clone", tg_clone(many)); TOO_LARGE("contiguous", tg_contiguous(long_row)); TOO_LARGE("to", tg_to(long_row, TG_F64)); TOO_LARGE("repeat", tg_repeat(one, TG_DIMS(most))); TOO_LARGE("repeat", tg_repeat(tg_zeros(tg, TG_SHAPE(2)), TG_DIMS(most)));
    TOO_LARGE("tile", tg_tile(one, TG_DIMS(big, big))); TOO_LARGE("repeat", tg_repeat(none, TG_DIMS(most, most, 1))); TOO_LARGE("repeat_interleave", tg_repeat_interleave(tg_ones(tg, TG_SHAPE(3)), tg_integer(tg, most))); TOO_LARGE("repeat_interleave", tg_repeat_interleave(one, tg_integer(tg, big)));
    list[0] = list[1] = list[2] = many;
    TOO_LARGE("cat", tg_cat(list, 3, 0)); TOO_LARGE("stack", tg_stack(list, 3, 0)); TOO_LARGE("hstack", tg_hstack(list, 3)); TOO_LARGE("meshgrid", tg_meshgrid(list, 3, false, grids)); TOO_LARGE("cartesian_prod", tg_cartesian_prod(list, 3));
    TOO_LARGE("cat", (list[0] = list[1] = list[2] = tg_expand(one, TG_SHAPE(most / 9)), tg_cat(list, 3, 0))); TOO_LARGE("block_diag", tg_block_diag(list, 2));
    TOO_LARGE("flip", tg_flip(many, TG_DIMS(0))); TOO_LARGE("roll", tg_roll(many, TG_DIMS(1), TG_DIMS(0))); TOO_LARGE("tril", tg_tril(tg_expand(one, TG_SHAPE(big, 1 << 18)), 0));
    TOO_LARGE("diag_embed", tg_diag_embed(long_row, 0, 0, 1)); TOO_LARGE("diag_embed", tg_diag_embed(one, most, 0, 1)); TOO_LARGE("diag_embed", tg_diag_embed(one, INT64_MIN, 0, 1)); TOO_LARGE("diag", tg_diag(long_row, 0)); TOO_LARGE("diagflat", tg_diagflat(one, most));
    TOO_LARGE("combinations", tg_combinations(tg_arange(tg, 0, 3000, 1, TG_F32), 30, false)); TOO_LARGE("vander", tg_vander(one, most, false)); TOO_LARGE("linalg_vander", tg_linalg_vander(one, big)); TOO_LARGE("one_hot", tg_one_hot(tg_zeros_like(tg_to(one, TG_I64)), most));
    /* results of operations */
    TOO_LARGE("add", tg_add(row, column)); TOO_LARGE("exp", tg_exp(many)); TOO_LARGE("where", tg_where(tg_to(one, TG_BOOL), row, column)); TOO_LARGE("eq", tg_eq(row, tg_expand(one, TG_SHAPE(1 << 20, 1)))); TOO_LARGE("matmul", tg_matmul(column, row));
    TOO_LARGE("matmul", tg_matmul(tg_expand(one, TG_SHAPE(1 << 30, 1)), tg_expand(one, TG_SHAPE(1, 1 << 30)))); TOO_LARGE("linear", tg_linear(column, column, NULL)); TOO_LARGE("outer", tg_outer(long_row, long_row)); TOO_LARGE("kron", tg_kron(row, column));
    TOO_LARGE("kron", tg_kron(many, many)); TOO_LARGE("einsum", (list[0] = list[1] = long_row, tg_einsum("i,j", list, 2))); TOO_LARGE("cdist", tg_cdist(column, column, 2, TG_CDIST_AUTO)); TOO_LARGE("addmm", tg_addmm(one, column, row, 1, 1));
    TOO_LARGE("gather", tg_gather(tg_ones(tg, TG_SHAPE(2)), 0, tg_expand(tg_to(tg_zeros(tg, TG_SHAPE(1)), TG_I64), TG_SHAPE(most / 16)))); TOO_LARGE("index_select", tg_index_select(row, 0, tg_expand(tg_to(tg_zeros(tg, TG_SHAPE(1)), TG_I64), TG_SHAPE(big))));
    TOO_LARGE("embedding", tg_embedding(tg_expand(tg_to(tg_zeros(tg, TG_SHAPE(1)), TG_I64), TG_SHAPE(big)), tg_expand(one, TG_SHAPE(1, 1 << 30)))); TOO_LARGE("conv2d", tg_conv2d(tg_ones(tg, TG_SHAPE(1, 1, 2, 2)), tg_ones(tg, TG_SHAPE(1, 1, 1, 1)), NULL, .padding = { most / 4, most / 4 }));
    TOO_LARGE("conv2d", tg_conv2d(tg_ones(tg, TG_SHAPE(1, 1, 2, 2)), tg_ones(tg, TG_SHAPE(1, 1, 1, 1)), NULL, .padding = { most, 0 })); TOO_LARGE("softmax", tg_softmax(many, 0)); TOO_LARGE("sort", tg_sort(many, 0, false, NULL)); TOO_LARGE("dropout", tg_dropout(many, 0.5, true));
    TOO_LARGE("multinomial", tg_multinomial(one, most, true)); TOO_LARGE("multinomial", tg_multinomial(one, big, true)); TOO_LARGE("normal", tg_normal(row, column)); TOO_LARGE("sparse_new", tg_sparse_new(tg_to(tg_zeros(tg, TG_SHAPE(1)), TG_I64), tg_ones(tg, TG_SHAPE(1, 4)), most));
    /* what looks too large and is not: nothing is in it, or it is a view */
    y = tg_zeros(tg, TG_SHAPE(big, 0)); CHECK(y && y->numel == 0 && tg_sum(y) && tg_t(y)); y = tg_expand(none, TG_SHAPE(big, 0)); CHECK(y && y->numel == 0); y = tg_repeat(none, TG_DIMS(big)); CHECK(y && y->numel == 0);
    y = tg_median(none); CHECK(y && y->ndim == 0 && tg_item(y) != tg_item(y)); CHECK(!tg_median(tg_to(none, TG_I64))); CHECK_ERROR(tg, TG_ERROR_SHAPE);
    y = tg_matmul(tg_zeros(tg, TG_SHAPE(0, 3)), tg_expand(one, TG_SHAPE(3, big))); CHECK(y && y->numel == 0 && y->shape[1] == big);
    y = tg_cat((list[0] = tg_zeros(tg, TG_SHAPE(big, 0)), list[1] = list[0], list), 2, 0); CHECK(y && y->shape[0] == 2 * big);
    CHECK(tg_broadcast_to(tg_ones(tg, TG_SCALAR), TG_SHAPE(big, 1 << 18)) != NULL);
    CHECK_OK(tg);
    tg_clear(tg);
    tg_end(tg, m);
    CHECK(tg_memory(tg).live_tensors == was.live_tensors && tg_memory(tg).live_nodes == was.live_nodes);
}

/* ---- 8 dimensions, three of them 1, along each of them: as the three dimensions [before, D, behind] ---- */
static tg_tensor *along(int k, tg_tensor *x, int64_t dim) {
    tg_tensor *i = NULL, *y, *p[4], *list[2];
    const int64_t size = x->shape[dim];
    switch (k) {
        case 0: return tg_sum_dims(x, 1, &dim, false);
        case 1: return tg_mean_dims(x, 1, &dim, true);
        case 2: return tg_prod_dim(x, dim, false);
        case 3: return tg_amax_dims(x, 1, &dim, false);
        case 4: y = tg_max_dim(x, dim, false, &i); return y ? tg_add(y, i) : NULL;
        case 5: return tg_argmin_dim(x, dim, true);
        case 6: return tg_all_dims(tg_gt_scalar(x, 0.5), 1, &dim, false);
        case 7: return tg_var_dims(x, 1, &dim, 0, false);
        case 8: return tg_softmax(x, dim);
        case 9: return tg_log_softmax(x, dim);
        case 10: y = tg_sort(x, dim, true, &i); return y ? tg_add(y, i) : NULL;
        case 11: return tg_index_select(x, dim, tg_from(tg, TG_SHAPE(3), TG_I64, TG__DIMS(size - 1, 0, 0)));
        case 12: return tg_gather(x, dim, tg_argmax_dim(x, dim, true));
        case 13: return tg_scatter_add(x, dim, tg_argmax_dim(x, dim, true), tg_amin_dims(x, 1, &dim, true));
        case 14: return tg_index_add(x, dim, tg_from(tg, TG_SHAPE(2), TG_I64, TG__DIMS(0, size - 1)), tg_index_select(x, dim, tg_from(tg, TG_SHAPE(2), TG_I64, TG__DIMS(0, 0))));
        case 15: list[0] = list[1] = x; return tg_cat(list, 2, dim);
        case 16: return tg_flip(x, 1, &dim);
        case 17: return tg_roll(x, TG_DIMS(1), 1, &dim);
        case 18: return tg_narrow(x, dim, size / 2, size - size / 2);
        case 19: return tg_slice_dim(x, dim, 0, size, -1);
        case 20: return tg_select(x, dim, size - 1);
        case 21: return tg_logsumexp(x, 1, &dim, false);
        case 22: return tg_norm(x, 3, 1, &dim, false);
        case 23: return tg_topk(x, 1, dim, true, NULL);
        case 24: return tg_kthvalue(x, size, dim, false, NULL);
        case 25: return tg_median_dim(x, dim, false, NULL);
        case 26: return tg_diff(x, 1, dim, NULL, x);
        case 27: return tg_normalize(x, 2, dim, 1e-12);
        case 28: return tg_trapezoid(x, NULL, 1, dim);
        case 29: return tg_vecdot(x, x, dim);
        case 30: return tg_repeat_interleave_dim(x, tg_integer(tg, 2), dim);
        case 31: return tg_take_along_dim(x, tg_argmin_dim(x, dim, true), dim);
        case 32: return tg_index_fill(x, dim, tg_integer(tg, 0), 7);
        case 33: return tg_split(x, (size + 1) / 2, dim, p, 4) ? tg_contiguous(p[0]) : NULL;
        case 34: return tg_unsqueeze(tg_mean_dims(x, 1, &dim, false), dim);
        case 35: return tg_renorm(x, 2, dim, 0.1);
        default: return NULL;
    }
}
static tg_tensor *random_in(int ndim, const int64_t *shape) { return tg_rand(tg, ndim, shape); }
static void test_eight(void) {
    const int64_t shape[8] = { 2, 1, 3, 1, 2, 4, 1, 2 }, turned_shape[8] = { 2, 1, 4, 2, 1, 3, 1, 2 }, each[8] = { 1, 1, 1, 1, 1, 1, 1, 1 };
    int k, d, e;
    tg_mark m;
    for (k = 0; k < 36; k++) for (d = 0; d < 8; d++) {
        int64_t three[3];
        tg_tensor *x, *y, *want;
        m = tg_begin(tg);
        three[0] = three[2] = 1; three[1] = shape[d];
        for (e = 0; e < 8; e++) if (e != d) three[e > d ? 2 : 0] *= shape[e];
        x = random_in(8, shape);
        want = along(k, tg_reshape(x, 3, three), 1); y = along(k, x, d);
        CHECK_MSG(y && want && y->numel == want->numel && tg_equal(tg_flatten(y, 0, -1), tg_flatten(want, 0, -1)), "function %d along dimension %d of 8: %s", k, d, tg_error_text(tg));
        x = tg_permute(random_in(8, turned_shape), TG_DIMS(7, 6, 5, 4, 3, 2, 1, 0));
        want = along(k, tg_reshape(tg_contiguous(x), 3, three), 1); y = along(k, x, d);
        CHECK_MSG(y && want && y->numel == want->numel && tg_allclose(tg_flatten(y, 0, -1), tg_flatten(want, 0, -1), 1e-5, 1e-6), "function %d along dimension %d of 8, turned: %s", k, d, tg_error_text(tg));
        tg_clear(tg);
        tg_end(tg, m);
    }
    for (k = 0; k < OP_ROWS; k++) {                                    /* formulas: the same numbers in one dimension; in place too */
        tg_tensor *x[3], *flat[3], *y;
        double p[2];
        const tg_dtype type = is(rows[k].types, "WHOLE") ? TG_I32 : TG_F32;
        m = tg_begin(tg);
        numbers_of(&rows[k], type, p);
        for (e = 0; e < rows[k].n; e++) { x[e] = operand(tg, &rows[k], e, type, 8, shape, e == 1 ? LAY_TURNED : LAY_ROW_MAJOR); flat[e] = tg_flatten(tg_contiguous(x[e]), 0, -1); }
        y = rows[k].call(x, p);
        CHECK_MSG(y && y->ndim == 8 && same(tg_flatten(y, 0, -1), rows[k].call(flat, p)), "%s of 8 dimensions: %s", rows[k].name, tg_error_text(tg));
        tg_clear(tg);
        tg_end(tg, m);
    }
    m = tg_begin(tg);
    { tg_tensor *x = tg_rand(tg, 8, shape), *a = tg_rand(tg, TG_SHAPE(2, 1, 3, 1, 2, 1, 3, 4)), *b = tg_rand(tg, TG_SHAPE(2, 3, 1, 2, 5, 4, 2)), *c, *y, *list[2];
      /* what has no room for one more */
      TOO_LARGE("unsqueeze", tg_unsqueeze(x, 0)); TOO_LARGE("expand", tg_expand(x, 9, TG__DIMS(1, 2, 1, 3, 1, 2, 4, 1, 2))); TOO_LARGE("unfold", tg_unfold(x, 0, 1, 1)); TOO_LARGE("diag_embed", tg_diag_embed(x, 0, 0, 1));
      list[0] = list[1] = x; TOO_LARGE("stack", tg_stack(list, 2, 0)); TOO_LARGE("unflatten", tg_unflatten(x, 5, TG_DIMS(2, 2))); TOO_LARGE("one_hot", tg_one_hot(tg_to(x, TG_I64), 3)); TOO_LARGE("outer", tg_outer(x, x));
      TOO_LARGE("repeat", tg_repeat(x, 9, TG__DIMS(1, 1, 1, 1, 1, 1, 1, 1, 1))); TOO_LARGE("slice", tg_slice(x, "None")); TOO_LARGE("linalg_vander", tg_linalg_vander(x, 3)); TOO_LARGE("tensordot", tg_tensordot(x, x, 0));
      /* products: six batch dimensions, of which some broadcast; views and copies of eight */
      y = tg_matmul(a, b); c = tg_matmul(tg_reshape(tg_contiguous(tg_expand(a, TG_SHAPE(2, 2, 3, 1, 2, 5, 3, 4))), TG_SHAPE(-1, 3, 4)), tg_reshape(tg_contiguous(tg_expand(b, TG_SHAPE(2, 2, 3, 1, 2, 5, 4, 2))), TG_SHAPE(-1, 4, 2)));
      CHECK(y && y->ndim == 8 && y->shape[1] == 2 && y->shape[5] == 5 && tg_allclose(tg_flatten(y, 0, -1), tg_flatten(c, 0, -1), 1e-5, 1e-6));
      c = tg_permute(x, TG_DIMS(5, 0, 7, 2, 4, 1, 3, 6)); y = tg_zeros(tg, 8, c->shape);
      CHECK(tg_copy_(y, c) && tg_equal(y, c) && tg_equal(tg_clone(c), y) && tg_equal(tg_contiguous(c), y) && tg_equal(tg_to(tg_to(c, TG_F64), TG_F32), y) && tg_equal(tg_permute(y, TG_DIMS(1, 5, 3, 6, 4, 0, 7, 2)), x));
      CHECK(tg_item(tg_sum_dims(tg_ones(tg, 8, shape), TG_DIMS(0, 1, 2, 3, 4, 5, 6, 7), false)) == 96 && tg_sum_dims(x, TG_DIMS(0, 2, 4, 6), true)->ndim == 8 && tg_squeeze_all(x)->ndim == 5);
      y = tg_where(tg_gt_scalar(c, 0.5), c, tg_neg(c)); CHECK(y && tg_equal(tg_abs(y), c)); y = tg_einsum("abcdefgh,abcdefgh->", (list[1] = x, list), 2); CHECK_NEAR(tg_item(y), tg_item(tg_sum(tg_square(x))), 1e-3);
      { tg_tensor *w = tg_require_grad(tg_clone(c), true); CHECK(tg_backward(tg_sum(tg_square(tg_permute(w, TG_DIMS(7, 6, 5, 4, 3, 2, 1, 0))))) && tg_allclose(tg_grad_of(w), tg_mul_scalar(c, 2), 1e-6, 0)); }
      { tg_tensor *one = tg_full(tg, 8, each, 3, TG_F32), *z = tg_full(tg, TG_SHAPE(0, 1, 1, 1, 1, 1, 1, 1), 3, TG_F32); CHECK(tg_item(tg_exp(one)) > 20 && tg_item(tg_matmul(one, one)) == 9 && tg_item(tg_softmax(one, 3)) == 1 && tg_item(tg_sort(one, 7, false, NULL)) == 3 && tg_add(one, z)->numel == 0); }
    }
    CHECK_OK(tg);
    tg_clear(tg);
    tg_end(tg, m);
}

/* ---- a million terms ---- */
enum { TERMS = 1000003 };
static double dot_of(tg_tensor *a, int64_t row, tg_tensor *b, int64_t column, double *size) {      /* a [M, K] by b [K, N], in double; *size: of the absolute values */
    double *x = (double *)malloc(2 * TERMS * sizeof *x), *y = x + TERMS, sum = 0;
    int64_t i;
    *size = 0;
    if (!CHECK(x && tg_read(tg_to(tg_select(a, 0, row), TG_F64), x, TERMS * sizeof *x) && tg_read(tg_to(tg_select(b, 1, column), TG_F64), y, TERMS * sizeof *y))) { free(x); return NAN; }
    for (i = 0; i < TERMS; i++) { sum += x[i] * y[i]; *size += fabs(x[i] * y[i]); }
    free(x);
    return sum;
}
static void test_million(void) {
    static const tg_dtype types[4] = { TG_F32, TG_F64, TG_F16, TG_BF16 };
    static const int sizes[5][2] = { { 1, 1 }, { 2, 3 }, { 1, 17 }, { 19, 1 }, { 5, 4 } };
    static const double rounding[4] = { 0, 0, 1.0 / 2048, 1.0 / 256 };
    int d, k, positive;
    for (d = 0; d < 4; d++) for (positive = 0; positive < 2; positive++) for (k = 0; k < (d < 2 ? 5 : 2); k++) {
        const int64_t m = sizes[k][0], n = sizes[k][1];
        const tg_mark mark = tg_begin(tg);
        const double small = d >= 2 ? 0.05 : 1, term = d == 1 ? 1e-12 : positive ? 4e-6 : 1e-7;       /* an f16 ends at 65504 */
        tg_tensor *a = tg_to(tg_uniform_(tg_empty(tg, TG_SHAPE(m, TERMS), TG_F32), positive ? 0 : -small, small), types[d]), *b = tg_to(tg_uniform_(tg_empty(tg, TG_SHAPE(TERMS, n), TG_F32), positive ? 0 : -1, 1), types[d]), *y[4];
        int way;
        double size, want = dot_of(a, m - 1, b, n - 1, &size);
        y[0] = tg_matmul(a, b); y[1] = tg_matmul(tg_t(tg_contiguous(tg_t(a))), b); y[2] = tg_matmul(a, tg_t(tg_contiguous(tg_t(b)))); y[3] = tg_linear(a, tg_t(b), NULL);
        for (way = 0; way < 4; way++) CHECK_NEAR(el(y[way], m * n - 1), want, size * term + fabs(want) * rounding[d]);
        CHECK_NEAR(tg_item(tg_matmul(tg_select(a, 0, m - 1), tg_select(b, 1, n - 1))), want, size * term + fabs(want) * rounding[d]);
        CHECK_OK(tg);
        tg_clear(tg);
        tg_end(tg, mark);
    }
    { const tg_mark mark = tg_begin(tg);                               /* integers are exact, also where they wrap; sums */
      tg_tensor *a = tg_randint(tg, -1000, 1000, TG_SHAPE(2, TERMS)), *b = tg_randint(tg, -1000, 1000, TG_SHAPE(TERMS, 2)), *y = tg_matmul(a, b), *f;
      double size, want = dot_of(a, 1, b, 1, &size);
      CHECK(el(y, 3) == want && tg_item_i64(tg_sum(tg_mul(tg_select(a, 0, 1), tg_select(b, 1, 1)))) == (int64_t)want);
      CHECK(tg_item_i64(tg_select(tg_flatten(tg_matmul(tg_to(a, TG_I8), tg_to(b, TG_I8)), 0, -1), 0, 3)) == tg_item_i64(tg_select(tg_flatten(tg_to(tg_matmul(tg_to(tg_to(a, TG_I8), TG_I64), tg_to(tg_to(b, TG_I8), TG_I64)), TG_I8), 0, -1), 0, 3)));
      f = tg_full(tg, TG_SHAPE(TERMS * INT64_C(20)), 0.1, TG_F32); CHECK_NEAR(tg_item(tg_sum(f)), 0.1f * (double)TERMS * 20, 10); CHECK_NEAR(tg_item(tg_mean(f)), 0.1f, 5e-7);      /* naively 20 million tenths are 1.5 million */
      CHECK_NEAR(tg_item(tg_var(tg_add_scalar(tg_rand(tg, TG_SHAPE(TERMS)), 1000), 1)), 1.0 / 12, 1e-3); CHECK_OK(tg);
      tg_end(tg, mark); }
}
int main(void) {
    tg_config c = test_config(NULL);
    c.memory_limit = (size_t)1 << 29; c.threads = -1;
    tg = tg_open(&c);
    if (!CHECK(tg != NULL)) return test_end("sizes");
    test_many();
    test_too_large();
    test_eight();
    test_million();
    test_close(tg);
    return test_end("sizes");
}
