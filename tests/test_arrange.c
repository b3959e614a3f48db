/* Tests of >>impl-arrange: what the goldens do not say. Views share their storage and write through, copies do not;
   ends of linspace are met; refusals name what was wrong.
   cc -O1 tests/test_arrange.c -o test_arrange -pthread && ./test_arrange */
#include "test.h"
#include <math.h>

static double magnitude(double v) { return v < 0 ? -v : v; }
static double at(tg_tensor *t, int64_t i) { t = tg_flatten(t, 0, -1); return t ? tg_get(t, &i) : -77; }
static int64_t count_eq(tg_tensor *t, double v) { return tg_item_i64(tg_sum(tg_eq_scalar(t, v))); }
static tg_tensor *table(tg_ctx *tg, int64_t n, int64_t m) { return tg_reshape(tg_arange(tg, 0, (double)(n * m), 1, TG_F32), TG_SHAPE(n, m)); }
#define SHARES(y, x) CHECK((y) && (y)->storage == (x)->storage)
#define COPIES(y, x) CHECK((y) && (y)->storage != (x)->storage)
#define REFUSED(e, text) do { CHECK(!(e)); CHECK_MSG(strstr(tg_error_text(tg), text) != NULL, "\"%s\" does not say \"%s\"", tg_error_text(tg), text); tg_clear(tg); } while (0)

static void views_and_copies(void) {
    tg_ctx *tg = test_open();
    tg_tensor *x = table(tg, 4, 6), *p[8], *y;
    int64_t eight[8] = { 1, 2, 1, 1, 1, 1, 1, 1 };
    SHARES(tg_diagonal(x, 1, 0, 1), x); SHARES(tg_movedim(x, TG_DIMS(0), TG_DIMS(1)), x); SHARES(tg_moveaxis(x, TG_DIMS(0), TG_DIMS(1)), x);
    SHARES(tg_swapaxes(x, 0, 1), x); SHARES(tg_unfold(x, 1, 3, 2), x); SHARES(tg_unflatten(x, 1, TG_DIMS(2, -1)), x);
    SHARES(tg_squeeze_all(x), x); SHARES(tg_ravel(x), x); SHARES(tg_atleast_3d(x), x); SHARES(tg_broadcast_to(x, TG_SHAPE(2, 4, 6)), x);
    COPIES(tg_ravel(tg_slice(x, ":, ::2")), x); COPIES(tg_diag(x, 0), x); COPIES(tg_roll(x, TG_DIMS(0), TG_DIMS(0)), x); COPIES(tg_roll(x, TG_DIMS(24), 0, NULL), x);
    COPIES(tg_repeat(x, TG_DIMS(1, 1)), x); COPIES(tg_repeat(x, TG_DIMS(1, 1, 1)), x); COPIES(tg_tile(x, 0, NULL), x); COPIES(tg_tril(x, 9), x); y = tg_select(x, 0, 0); COPIES(tg_repeat_interleave(tg_narrow(y, 0, 0, 1), tg_integer(tg, 3)), x); COPIES(tg_repeat_interleave_dim(x, tg_integer(tg, 1), 0), x); COPIES(tg_fliplr(x), x);
    CHECK(tg_atleast_1d(x) == x && tg_atleast_2d(x) == x);
    CHECK(tg_chunk(x, 4, 1, p, 8) == 3 && p[0]->storage == x->storage && p[2]->shape[1] == 2 && !p[3]);
    CHECK(tg_unbind(x, 1, p, 8) == 6 && p[5]->storage == x->storage && at(p[5], 1) == 11);
    CHECK(tg_tensor_split(x, 4, 1, p) == 4 && p[0]->shape[1] == 2 && p[3]->shape[1] == 1 && p[3]->storage == x->storage);
    CHECK(tg_tensor_split_at(x, TG_DIMS(2, -1), 1, p) == 3 && p[1]->shape[1] == 3 && p[2]->shape[1] == 1);
    CHECK(tg_hsplit(x, 3, p) == 3 && tg_vsplit(x, 2, p) == 2 && p[1]->shape[0] == 2);
    /* written through */
    CHECK(tg_fill_(tg_diagonal(x, -1, 0, 1), -5)); CHECK(at(x, 6) == -5 && at(x, 13) == -5 && at(x, 20) == -5 && count_eq(x, -5) == 3);
    CHECK(tg_tril_(x, 0) && at(x, 1) == 0 && at(x, 0) == 0 && at(x, 7) == 7 && at(x, 8) == 0);
    { tg_tensor *w = tg_require_grad(table(tg, 3, 3), true), *h = tg_mul_scalar(w, 1);               /* recorded: the base knows of it */
      CHECK(tg_mul_(tg_diagonal(h, 0, 0, 1), tg_number(tg, 3)) && tg_triu_(h, 0) && tg_backward(tg_sum(h)));
      CHECK(at(w->grad, 0) == 3 && at(w->grad, 1) == 1 && at(w->grad, 3) == 0 && at(w->grad, 8) == 3); }
    /* eight dimensions */
    y = tg_repeat(tg_reshape(table(tg, 1, 3), TG_SHAPE(1, 1, 1, 1, 1, 1, 1, 3)), 8, eight);
    CHECK(y && y->shape[1] == 2 && at(y, 3) == 0 && at(y, 5) == 2);
    y = tg_repeat(table(tg, 2, 2), TG_DIMS(0, 2)); CHECK(y && y->numel == 0 && y->shape[1] == 4);
    y = tg_repeat_interleave(table(tg, 1, 3), tg_from(tg, TG_SHAPE(3), TG_I64, TG__DIMS(2, 0, 1))); CHECK(y && y->numel == 3 && at(y, 1) == 0 && at(y, 2) == 2);
    y = tg_combinations(tg_arange(tg, 0, 4, 1, TG_I64), 3, false); CHECK(y && y->shape[0] == 4 && at(y, 11) == 3 && at(y, 3) == 0 && at(y, 5) == 3);
    y = tg_combinations(tg_arange(tg, 0, 2, 1, TG_I64), 3, true); CHECK(y && y->shape[0] == 4 && at(y, 3) == 0 && at(y, 5) == 1 && at(y, 9) == 1);
    y = tg_combinations(tg_arange(tg, 0, 2, 1, TG_I64), 3, false); CHECK(y && y->shape[0] == 0 && y->shape[1] == 3);
    y = tg_combinations(tg_arange(tg, 0, 0, 1, TG_I64), 2, true); CHECK(y && y->shape[0] == 0 && y->shape[1] == 2);
    y = tg_vander(tg_arange(tg, 0, 4, 1, TG_I32), -1, false); CHECK(y && y->dtype == TG_I64 && at(y, 3) == 1 && at(y, 0) == 0 && at(y, 12) == 27);
    y = tg_vander(tg_require_grad(tg_zeros(tg, TG_SHAPE(1)), true), 4, true); CHECK(at(y, 0) == 1 && at(y, 3) == 0);
    y = tg_unfold(tg_arange(tg, 0, 5, 1, TG_F32), 0, 5, INT64_MAX); CHECK(y && y->shape[0] == 1 && at(y, 4) == 4);
    y = tg_diag_embed(table(tg, 2, 3), -2, 2, 0); CHECK(y && y->shape[0] == 5 && y->shape[1] == 2 && y->shape[2] == 5 && tg_is_contiguous(y));
    CHECK(tg_equal(tg_diagonal(y, -2, 2, 0), table(tg, 2, 3)) && tg_item(tg_sum(y)) == 15);
    CHECK_OK(tg);
    test_close(tg);
}
static void creation(void) {
    tg_ctx *tg = test_open();
    tg_tensor *y = tg_linspace(tg, 0.1, 0.7, 7, TG_F64);
    int64_t out[TG_MAX_DIMS], k;
    double ten = 1;
    CHECK(at(y, 0) == 0.1 && at(y, 6) == 0.7 && magnitude(at(y, 3) - 0.4) < 1e-15);
    y = tg_linspace(tg, -3, 4.9, 4, TG_I32); CHECK(at(y, 0) == -3 && at(y, 1) == 0 && at(y, 2) == 1 && at(y, 3) == 4);
    y = tg_linspace(tg, 5, 9, 1, TG_F32); CHECK(at(y, 0) == 5);
    y = tg_logspace(tg, 0, 15, 16, 2, TG_I64); for (k = 0; k < 16; k++) CHECK(at(y, k) == (double)((int64_t)1 << k));
    y = tg_logspace(tg, 0, 12, 13, 10, TG_I64); for (k = 0; k < 13; k++, ten *= 10) CHECK_MSG(at(y, k) == ten, "10^%d is %.17g", (int)k, at(y, k));
    y = tg_eye_sized(tg, 2, 4, TG_U8); CHECK(count_eq(y, 1) == 2 && at(y, 5) == 1); CHECK(tg_eye_sized(tg, 0, 4, TG_F32));
    y = tg_tril_indices(tg, 3, 2, 0, TG_I64); CHECK(y && y->shape[1] == 5 && at(y, 2) == 1 && at(y, 7) == 1);
    y = tg_triu_indices(tg, 2, 3, 1, TG_I32); CHECK(y && y->dtype == TG_I32 && y->shape[1] == 3 && at(y, 2) == 1 && at(y, 5) == 2);
    CHECK(tg_tril_indices(tg, 3, 3, INT64_MIN, TG_I64)->numel == 0 && tg_triu_indices(tg, 3, 3, INT64_MIN, TG_I64)->numel == 18);
    y = tg_new_full(tg_ones(tg, TG_SHAPE(2)), TG_SHAPE(3), 7, TG_I16); CHECK(y && y->dtype == TG_I16 && count_eq(y, 7) == 3);
    memset(out, 0, sizeof out);
    CHECK(tg_broadcast_shapes(tg, TG_SHAPE(2, 1), TG_SHAPE(5, 1, 4), out) == 3 && out[0] == 5 && out[1] == 2 && out[2] == 4);
    CHECK(tg_broadcast_shapes(tg, 3, out, TG_SHAPE(6, 1, 2, 4), out) == 4 && out[0] == 6 && out[1] == 5 && out[3] == 4 && out[4] == 0);
    CHECK_OK(tg);
    test_close(tg);
}
static void refusals(void) {
    static const float wrong[3] = { 1, -1, 2 };
    tg_ctx *tg = test_open();
    tg_tensor *x = table(tg, 4, 6), *v = tg_ones(tg, TG_SHAPE(3)), *p[4];
    int64_t out[TG_MAX_DIMS];
    REFUSED(tg_repeat(x, TG_DIMS(2)), "repeat: 1 repeats for f32[4, 6]: one for each dimension is expected");
    REFUSED(tg_tile(x, TG_DIMS(-1)), "tile: repeats cannot be negative, got [-1]");
    REFUSED(tg_repeat(x, TG_DIMS(INT64_MAX, 1)), "repeat: f32[4, 6], repeated 9223372036854775807 times along dimension 0, has more elements than can be addressed");
    REFUSED(tg_roll(x, TG_DIMS(1, 2), TG_DIMS(0)), "roll: 2 shifts and 1 dims");
    REFUSED(tg_diagonal(x, 0, 1, -1), "diagonal: dim 1 is named twice");
    REFUSED(tg_diag(tg_ones(tg, TG_SHAPE(1, 1, 1)), 0), "diag: one or two dimensions are expected");
    REFUSED(tg_diag_embed(v, INT64_MIN, 0, 1), "diag_embed: a diagonal of 3 elements with offset -9223372036854775808 has more rows");
    REFUSED(tg_diagflat(v, INT64_MAX), "diagflat: a diagonal of 3 elements with offset 9223372036854775807 has");
    REFUSED(tg_unfold(x, 0, 5, 1), "unfold: windows of size 5 do not lie within dimension 0 of f32[4, 6]");
    REFUSED(tg_unfold(x, 0, 2, 0), "unfold: step");
    REFUSED(tg_unflatten(x, 1, TG_DIMS(4, -1)), "unflatten: sizes [4, -1] do not multiply to 6");
    REFUSED(tg_unflatten(x, 1, TG_DIMS(-1, -1)), "unflatten: sizes");
    REFUSED(tg_squeeze_dims(x, TG_DIMS(0, -2)), "squeeze_dims: dim 0 is named twice");
    REFUSED(tg_movedim(x, TG_DIMS(0, 1), TG_DIMS(0)), "movedim: 2 dimensions cannot go to 1 places");
    REFUSED(tg_hsplit(x, 4, p), "hsplit: dimension 1 of f32[4, 6] cannot be divided into 4 equal sections");
    REFUSED(tg_dsplit(x, 2, p), "dsplit: f32[4, 6] has too few dimensions: at least 3 are expected");
    REFUSED(tg_chunk(x, 0, 0, p, 4), "chunk: number of chunks: expected at least 1, got 0");
    REFUSED(tg_fliplr(v), "fliplr: f32[3] has too few dimensions: at least 2 are expected");
    REFUSED(tg_tril(v, 0), "tril: f32[3] is no matrix");
    REFUSED(tg_combinations(v, -1, false), "combinations: r: expected at least 0, got -1");
    REFUSED(tg_combinations(tg_ones(tg, TG_SHAPE(1000)), 500, false), "combinations: the choices of 500 out of 1000 are more than can be addressed");
    REFUSED(tg_repeat_interleave(v, v), "repeat_interleave: ");
    REFUSED(tg_repeat_interleave(v, tg_integer(tg, -1)), "repeat_interleave: repeats cannot be negative, got -1");
    REFUSED(tg_broadcast_shapes(tg, TG_SHAPE(2), TG_SHAPE(3), out) >= 0, "broadcast_shapes: shapes [2] and [3] do not broadcast");
    REFUSED(tg_linspace(tg, 0, 1, -1, TG_F32), "linspace: number of steps: expected at least 0, got -1");
    REFUSED(tg_linspace(tg, 0, 300, 3, TG_U8), "linspace: ");
    REFUSED(tg_multinomial(tg_from_f32(tg, TG_SHAPE(3), wrong), 1, true), "multinomial: a probability is negative, infinite or not a number");
    REFUSED(tg_multinomial(tg_zeros(tg, TG_SHAPE(3)), 1, true), "multinomial: the probabilities of a row are all zero");
    REFUSED(tg_multinomial(v, 4, false), "multinomial: 4 samples without replacement of 3 classes");
    REFUSED(tg_multinomial(tg_full(tg, TG_SHAPE(2), INFINITY, TG_F32), 1, false), "multinomial: a probability is");
    REFUSED(tg_normal(v, tg_number(tg, -1)), "normal: every std: expected at least 0, got -1.0");
    REFUSED(tg_randint_like(tg_empty(tg, TG_SHAPE(2), TG_BOOL), 0, 5), "randint_like: a bool holds numbers from 0 to 1");
    REFUSED(tg_tril_indices(tg, 2, 2, 0, TG_F32), "tril_indices: expected i64 or i32, got f32");
    test_close(tg);
}
/* Each allocation fails in turn: the call says so, and nothing is lost (test_close looks). */
static tg_tensor *one_of(tg_tensor *x, int which) {
    tg_ctx *tg = x->tg;
    tg_tensor *many[9], *p[4];
    int i;
    for (i = 0; i < 9; i++) many[i] = x;
    switch (which) {
        case 0: return tg_block_diag(many, 9);
        case 1: return tg_column_stack(many, 9);
        case 2: return tg_vander(x, 5, false);
        case 3: return tg_combinations(x, 2, true);
        case 4: return tg_multinomial(x, 3, true);
        case 5: return tg_multinomial(x, 2, false);
        case 6: return tg_normal(x, x);
        case 7: return tg_repeat_interleave(x, tg_to(x, TG_I64));
        case 8: return tg_diag_embed(tg_require_grad(x, true), 1, 0, 1);
        case 9: return tg_roll(x, TG_DIMS(1), 0, NULL);
        case 10: return tg_tril_(tg_diag(x, 0), 0);
        case 11: return tg_logspace(tg, 0, 1, 4, 2, TG_F32);
        case 12: return tg_randperm(tg, 5);
        case 13: return tg_tril_indices(tg, 3, 3, 0, TG_I32);
        case 14: return tg_cartesian_prod(many, 3);
        case 15: return tg_tile(x, TG_DIMS(2, 2));
        default: return tg_hsplit(x, 3, p) ? tg_unfold(p[0], 0, 1, 1) : NULL;
    }
}
static void no_memory(void) {
    int which;
    for (which = 0; which < 17; which++) {
        test_heap heap = TEST_HEAP;
        for (heap.fail_at = 1; ; heap.fail_at++) {
            tg_ctx *tg = test_open_heap(&heap);
            tg_tensor *x = tg ? tg_ones(tg, TG_SHAPE(3)) : NULL;
            if (x) { tg_tensor *y = one_of(x, which); CHECK_MSG((y != NULL) == !tg_failed(tg), "%d, allocation %d: a result and an error, or neither", which, (int)heap.fail_at); }
            test_close(tg);
            if (!test_heap_ended(&heap)) break;
        }
    }
}
int main(void) {
    no_memory();
    views_and_copies();
    creation();
    refusals();
    return test_end("arrange");
}
