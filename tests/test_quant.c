/* run.sh flags: -lm */
/* Block-quantised weights of linear and embedding, products of bytes, whole numbers with scales and zero points: against plain loops in double precision, and against the
   same with the numbers written out, of which a product has the very bits; on every instruction set and with several threads.
   cc -O2 tests/test_quant.c -o test_quant -lm -pthread && ./test_quant */
#include "test.h"
#include <math.h>

static tg_ctx *tg;
static const tg_isa sets[4] = { TG_ISA_PLAIN, TG_ISA_AVX2, TG_ISA_AVX512, TG_ISA_NEON };
static const tg_dtype block_types[2] = { TG_Q8_0, TG_Q4_0 }, byte_types[2] = { TG_U8, TG_I8 };
static void quiet(void *user, tg_log_level level, const char *text) { (void)user; (void)level; (void)text; }
static tg_ctx *open_set(int set) {
    tg_config c;
    memset(&c, 0, sizeof c);
    c.isa = sets[set]; c.hooks.log = quiet;
    return tg_open(&c);
}
static double el(tg_tensor *t, int64_t i) { double v; tg_tensor *d = tg_contiguous(tg_to(tg_detach(t), TG_F64)); v = d ? ((double *)d->data)[i] : NAN; return v; }
static bool same_bits(tg_tensor *a, tg_tensor *b) {
    return a && b && a->numel == b->numel && a->dtype == b->dtype && (a->numel == 0 || memcmp(a->data, b->data, (size_t)a->numel * tg_dtype_size(a->dtype)) == 0);
}

/* ---- linear: x [m, k] with blocks [n, k] ---- */
static void product(int64_t m, int64_t n, int64_t k, tg_dtype d, bool biased) {
    tg_mark s = tg_begin(tg);
    tg_tensor *x = tg_randn(tg, TG_SHAPE(m, k)), *w = tg_to(tg_randn(tg, TG_SHAPE(n, k)), d), *b = biased ? tg_randn(tg, TG_SHAPE(n)) : NULL, *wide = tg_to(w, TG_F32),
        *y = tg_linear(x, w, b), *z = tg_linear(x, wide, b);
    int64_t i, j, l, bad = 0;
    if (!CHECK_MSG(y && z && y->dtype == TG_F32, "%s", tg_error_text(tg))) { tg_clear(tg); tg_end(tg, s); return; }
    if (m < 2 || m > 4 || k < 64) CHECK_MSG(same_bits(y, z), "%s, %d x %d x %d: not the bits of the weight written out", tg_dtype_name(d), (int)m, (int)n, (int)k);
    else for (i = 0; i < m; i++)                                           /* each row as it is alone */
        CHECK_MSG(same_bits(tg_contiguous(tg_narrow(y, 0, i, 1)), tg_linear(tg_narrow(x, 0, i, 1), wide, b)), "%s, %d x %d x %d: row %d", tg_dtype_name(d), (int)m, (int)n, (int)k, (int)i);
    for (i = 0; i < m; i += m > 40 ? 13 : 1) for (j = 0; j < n; j += n > 40 ? 7 : 1) {
        double sum = b ? ((float *)b->data)[j] : 0, size = 1;
        for (l = 0; l < k; l++) { const double p = (double)((float *)x->data)[i * k + l] * ((float *)wide->data)[j * k + l]; sum += p; size += fabs(p); }
        bad += !(fabs(((float *)y->data)[i * n + j] - sum) <= 1e-6 * size);
    }
    CHECK_MSG(bad == 0, "%s, %d x %d x %d: %d elements are wrong", tg_dtype_name(d), (int)m, (int)n, (int)k, (int)bad);
    tg_end(tg, s);
}
static void test_products(int set) {
    static const int64_t ms[] = { 1, 2, 3, 4, 5, 9, 33, 130 }, ns[] = { 1, 7, 33, 200 }, ks[] = { 32, 96, 544, 4128 };
    int a, b, c, d;
    for (a = 0; a < 8; a++) for (b = 0; b < 4; b++) for (c = 0; c < 4; c++) for (d = 0; d < 2; d++)
        if (ms[a] * ns[b] * ks[c] < (sets[set] == TG_ISA_PLAIN ? 1 << 21 : 1 << 24)) product(ms[a], ns[b], ks[c], block_types[d], (a + b + c) % 2);
    product(140, 150, 1632, block_types[set % 2], true);                    /* packed for everybody */
    CHECK_OK(tg);
}
/* other strides, other types, no elements */
static void test_forms(void) {
    int d;
    for (d = 0; d < 2; d++) {
        tg_mark s = tg_begin(tg);
        tg_tensor *w = tg_to(tg_randn(tg, TG_SHAPE(9, 96)), block_types[d]), *wide = tg_to(w, TG_F32), *x = tg_randn(tg, TG_SHAPE(2, 3, 96)), *y, *h;
        unsigned char bytes[9 * 3 * 34 + 1];
        CHECK(same_bits(tg_linear(x, w, NULL), tg_linear(x, wide, NULL)));
        y = tg_linear(tg_narrow(tg_reshape(x, TG_SHAPE(6, 96)), 0, 2, 1), w, NULL);
        CHECK(y && same_bits(tg_linear(tg_select(tg_reshape(x, TG_SHAPE(6, 96)), 0, 2), w, NULL), y) && tg_linear(tg_select(tg_select(x, 0, 0), 0, 0), w, NULL)->ndim == 1);
        h = tg_t(tg_randn(tg, TG_SHAPE(96, 7)));
        CHECK(same_bits(tg_linear(h, w, NULL), tg_linear(tg_contiguous(h), wide, NULL)));
        h = tg_slice(tg_randn(tg, TG_SHAPE(3, 192)), ":, ::2");
        CHECK(same_bits(tg_linear(h, w, NULL), tg_linear(tg_contiguous(h), w, NULL)));
        CHECK(same_bits(tg_linear(tg_narrow(h, 0, 1, 1), w, NULL), tg_linear(tg_contiguous(tg_narrow(h, 0, 1, 1)), wide, NULL)));
        for (h = tg_to(x, TG_F16); h; h = h->dtype == TG_F16 ? tg_to(x, TG_BF16) : NULL) {          /* the type's numbers, meeting in f32, rounded once */
            y = tg_linear(h, w, tg_ones(tg, TG_SHAPE(9)));
            CHECK(!y); CHECK_ERROR(tg, TG_ERROR_DTYPE);
            y = tg_linear(h, w, tg_to(tg_ones(tg, TG_SHAPE(9)), h->dtype));
            CHECK(y && y->dtype == h->dtype && same_bits(y, tg_to(tg_linear(tg_to(h, TG_F32), w, tg_ones(tg, TG_SHAPE(9))), h->dtype)));
        }
        y = tg_linear(tg_to(x, TG_F64), w, NULL);
        CHECK(y && y->dtype == TG_F64 && tg_allclose(y, tg_linear(tg_to(x, TG_F64), tg_to(w, TG_F64), NULL), 0, 0));
        CHECK((y = tg_linear(tg_zeros(tg, TG_SHAPE(0, 96)), w, NULL)) && y->shape[0] == 0 && y->shape[1] == 9);
        CHECK((y = tg_linear(x, tg_to(tg_zeros(tg, TG_SHAPE(0, 96)), block_types[d]), NULL)) && y->numel == 0 && y->ndim == 3);
        y = tg_linear(tg_zeros(tg, TG_SHAPE(3, 0)), tg_to(tg_zeros(tg, TG_SHAPE(2, 0)), block_types[d]), tg_ones(tg, TG_SHAPE(2)));
        CHECK(y && tg_equal(y, tg_ones(tg, TG_SHAPE(3, 2))));
        /* blocks at an odd address */
        CHECK(tg_read(w, bytes + 1, tg_dtype_bytes(block_types[d], 9 * 96)));
        h = tg_wrap(tg, TG_SHAPE(9, 96), block_types[d], bytes + 1);
        CHECK(same_bits(tg_linear(x, h, NULL), tg_linear(x, wide, NULL)) && same_bits(tg_linear(tg_ones(tg, TG_SHAPE(96)), h, NULL), tg_linear(tg_ones(tg, TG_SHAPE(96)), wide, NULL)));
        CHECK_OK(tg);
        tg_end(tg, s);
    }
}
static void test_gradients(void) {
    int d;
    for (d = 0; d < 2; d++) {
        tg_mark s = tg_begin(tg);
        tg_tensor *w = tg_to(tg_randn(tg, TG_SHAPE(9, 64)), block_types[d]), *x = tg_require_grad(tg_randn(tg, TG_SHAPE(2, 3, 64)), true), *b = tg_require_grad(tg_randn(tg, TG_SHAPE(9)), true),
            *x2 = tg_require_grad(tg_clone(tg_detach(x)), true), *y, *g, *gg, *master;
        CHECK(tg_backward(tg_sum(tg_square(tg_linear(x, w, b)))));
        y = tg_grad_of(b);
        CHECK(tg_backward(tg_sum(tg_square(tg_linear(x2, tg_to(w, TG_F32), tg_detach(b))))));
        CHECK(same_bits(tg_grad_of(x), tg_grad_of(x2)) && y && tg_allclose(y, tg_sum_dims(tg_mul_scalar(tg_linear(tg_detach(x), w, tg_detach(b)), 2), TG_DIMS(0, 1), false), 1e-5, 1e-4));
        y = tg_sum(tg_square(tg_linear(x, w, NULL)));                        /* to the second order: 2 w^T w summed along its columns */
        CHECK(tg_grad(&y, 1, &x, 1, &g, .create_graph = true)); g = tg_sum(g);
        CHECK(tg_grad(&g, 1, &x, 1, &gg));
        master = tg_to(w, TG_F32);
        CHECK(gg && tg_allclose(tg_select(tg_select(gg, 0, 1), 0, 2), tg_mul_scalar(tg_matmul(tg_sum_dims(master, TG_DIMS(1), false), master), 2), 1e-4, 1e-3));
        CHECK_OK(tg);
        /* blocks want none, and what they were made of gets none */
        CHECK(!tg_require_grad(w, true)); CHECK_ERROR(tg, TG_ERROR_DTYPE);
        master = tg_require_grad(tg_randn(tg, TG_SHAPE(9, 64)), true);
        y = tg_sum(tg_linear(tg_detach(x), tg_to(master, block_types[d]), NULL));
        CHECK(y && !y->requires_grad && !tg_grad(&y, 1, &master, 1, &g)); CHECK_ERROR(tg, TG_ERROR_GRAD);
        tg_end(tg, s);
    }
}
static void test_embedding(void) {
    int d;
    for (d = 0; d < 2; d++) {
        static const double rows[6] = { 4, 0, 6, 4, 2, 1 }, out[2] = { 0, 7 };
        tg_mark s = tg_begin(tg);
        tg_tensor *w = tg_to(tg_randn(tg, TG_SHAPE(7, 64)), block_types[d]), *wide = tg_to(w, TG_F32), *at = tg_from(tg, TG_SHAPE(6), TG_F64, rows), *index = tg_to(tg_reshape(at, TG_SHAPE(2, 3)), TG_I64), *y;
        CHECK(same_bits(tg_embedding(index, w), tg_embedding(index, wide)) && same_bits(tg_embedding(tg_to(index, TG_I32), w), tg_embedding(index, wide)));
        CHECK((y = tg_embedding(tg_select(tg_select(index, 0, 0), 0, 0), w)) && y->ndim == 1 && same_bits(y, tg_contiguous(tg_select(wide, 0, 4))));
        CHECK((y = tg_embedding(tg_zeros(tg, TG_SHAPE(0)), w)) == NULL); CHECK_ERROR(tg, TG_ERROR_DTYPE);
        CHECK((y = tg_embedding(tg_to(tg_zeros(tg, TG_SHAPE(0)), TG_I64), w)) && y->numel == 0 && y->shape[1] == 64);
        CHECK(same_bits(tg_embedding_bag(index, w), tg_embedding_bag(index, wide)));
        CHECK_OK(tg);
        CHECK(!tg_embedding(tg_to(tg_from(tg, TG_SHAPE(2), TG_F64, out), TG_I64), w)); CHECK_MSG(strstr(tg_error_text(tg), "embedding: index 7"), "%s", tg_error_text(tg)); CHECK_ERROR(tg, TG_ERROR_VALUE);
        CHECK(!tg_embedding(index, w, .max_norm = TG_IS(1))); CHECK_ERROR(tg, TG_ERROR_DTYPE);
        tg_end(tg, s);
    }
}
static void test_refused(void) {
    tg_mark s = tg_begin(tg);
    tg_tensor *w = tg_to(tg_randn(tg, TG_SHAPE(9, 64)), TG_Q8_0), *x = tg_randn(tg, TG_SHAPE(3, 64)), *u = tg_to(tg_ones(tg, TG_SHAPE(3, 4)), TG_U8), *v = tg_to(tg_ones(tg, TG_SHAPE(4, 5)), TG_I8), *one = tg_ones(tg, TG_SHAPE(1)), *a, *b;
    CHECK(!tg_linear(w, w, NULL)); CHECK_ERROR(tg, TG_ERROR_DTYPE);
    CHECK(!tg_linear(x, tg_to(w, TG_F32), w)); CHECK_ERROR(tg, TG_ERROR_DTYPE);
    CHECK(!tg_linear(tg_to(x, TG_I32), w, NULL)); CHECK_ERROR(tg, TG_ERROR_DTYPE);
    CHECK(!tg_linear(tg_ones(tg, TG_SHAPE(3, 32)), w, NULL)); CHECK_MSG(strstr(tg_error_text(tg), "linear: expected [*, I] [O, I] ?[O], got f32[3, 32] q8_0[9, 64]; I is 32 and 64"), "%s", tg_error_text(tg)); CHECK_ERROR(tg, TG_ERROR_SHAPE);
    CHECK(!tg_linear(tg_ones(tg, TG_SHAPE(32)), w, NULL)); CHECK_ERROR(tg, TG_ERROR_SHAPE);
    CHECK(!tg_linear(NULL, w, NULL)); CHECK_ERROR(tg, TG_ERROR_NULL);
    CHECK(!tg_linear(tg_ones(tg, TG_SHAPE(64)), tg_to(tg_ones(tg, TG_SHAPE(64)), TG_Q8_0), NULL)); CHECK(tg_failed(tg)); tg_clear(tg);
    CHECK(!tg_matmul(x, w)); CHECK_ERROR(tg, TG_ERROR_DTYPE);
    CHECK(!tg_matmul_integer(x, u, NULL, NULL)); CHECK_ERROR(tg, TG_ERROR_DTYPE);
    CHECK(!tg_matmul_integer(u, u, NULL, NULL)); CHECK_ERROR(tg, TG_ERROR_SHAPE);
    CHECK(!tg_matmul_integer(u, v, v, NULL)); CHECK_ERROR(tg, TG_ERROR_DTYPE);
    CHECK(!tg_matmul_integer(u, v, tg_to(tg_ones(tg, TG_SHAPE(2)), TG_U8), NULL)); CHECK_MSG(strstr(tg_error_text(tg), "the zero point of a is u8[2]; expected one number, or one for each row of u8[3, 4]"), "%s", tg_error_text(tg)); CHECK_ERROR(tg, TG_ERROR_SHAPE);
    CHECK(!tg_matmul_integer(u, v, NULL, tg_to(tg_ones(tg, TG_SHAPE(5, 1)), TG_I8))); CHECK_ERROR(tg, TG_ERROR_SHAPE);
    CHECK(!tg_quantize_linear(x, tg_ones(tg, TG_SHAPE(3)))); CHECK_MSG(strstr(tg_error_text(tg), "quantize_linear: the scale is f32[3]"), "%s", tg_error_text(tg)); CHECK_ERROR(tg, TG_ERROR_SHAPE);
    CHECK(!tg_quantize_linear(x, u)); CHECK_ERROR(tg, TG_ERROR_DTYPE);
    CHECK(!tg_quantize_linear(x, one, .dtype = TG_I64)); CHECK_ERROR(tg, TG_ERROR_DTYPE);
    CHECK(!tg_quantize_linear(x, one, .zero = tg_to(one, TG_U8), .dtype = TG_I8)); CHECK_ERROR(tg, TG_ERROR_DTYPE);
    CHECK(!tg_quantize_linear(x, one, .bits = 9)); CHECK_ERROR(tg, TG_ERROR_VALUE);
    CHECK(!tg_quantize_linear(x, tg_ones(tg, TG_SHAPE(3)), .axis = TG_IS(2))); CHECK(tg_failed(tg)); tg_clear(tg);
    CHECK(!tg_quantize_linear(x, tg_ones(tg, TG_SHAPE(3, 2)), .block_size = 16)); CHECK_ERROR(tg, TG_ERROR_SHAPE);
    CHECK(!tg_dequantize_linear(x, one)); CHECK_ERROR(tg, TG_ERROR_DTYPE);
    CHECK(!tg_dequantize_linear(u, one, .zero = tg_to(one, TG_I8))); CHECK_ERROR(tg, TG_ERROR_DTYPE);
    CHECK(!tg_dynamic_quantize_linear(u, &a, &b) && !a && !b); CHECK_ERROR(tg, TG_ERROR_DTYPE);
    CHECK(!tg_fake_quantize_per_tensor_affine(x, 1, 9, 0, 8)); CHECK_ERROR(tg, TG_ERROR_VALUE);
    CHECK(!tg_fake_quantize_per_tensor_affine(x, 1, 0, 8, 0)); CHECK_ERROR(tg, TG_ERROR_VALUE);
    CHECK(!tg_fake_quantize_per_channel_affine(x, one, one, 2, 0, 8)); CHECK(tg_failed(tg)); tg_clear(tg);
    CHECK(!tg_fake_quantize_per_channel_affine(x, tg_ones(tg, TG_SHAPE(4)), one, 0, 0, 8)); CHECK_ERROR(tg, TG_ERROR_SHAPE);
    tg_end(tg, s);
}

/* ---- bytes times bytes ---- */
static int64_t byte_of(tg_tensor *t, int64_t i) { return t->dtype == TG_U8 ? ((uint8_t *)t->data)[i] : ((int8_t *)t->data)[i]; }
static tg_tensor *some_bytes(tg_dtype d, int ndim, const int64_t *shape, bool extreme) {
    tg_tensor *t = tg_empty(tg, ndim, shape, d);
    int64_t i;
    for (i = 0; t && i < t->numel; i++) ((uint8_t *)t->data)[i] = (uint8_t)(!extreme ? test_random() : d == TG_U8 ? 255 : test_random() % 8 ? 128 : 127);
    return t;
}
static void bytes_product(int64_t m, int64_t n, int64_t k, int types, int zeros, bool turned) {
    tg_mark s = tg_begin(tg);
    const tg_dtype ta = byte_types[types & 1], tb = byte_types[types >> 1];
    tg_tensor *a = some_bytes(ta, TG_SHAPE(m, k), m % 2), *b = some_bytes(tb, TG_SHAPE(k, n), n % 3 == 0), *za = zeros & 1 ? some_bytes(ta, TG_SHAPE(zeros & 4 ? m : 1), false) : NULL,
        *zb = zeros & 2 ? some_bytes(tb, TG_SHAPE(zeros & 4 ? n : 1), false) : NULL, *y = tg_matmul_integer(turned ? tg_t(tg_contiguous(tg_t(a))) : a, turned ? tg_t(tg_contiguous(tg_t(b))) : b, za, zb);
    int64_t i, j, l, bad = 0;
    if (!CHECK_MSG(y && y->dtype == TG_I32, "%s", tg_error_text(tg))) { tg_clear(tg); tg_end(tg, s); return; }
    for (i = 0; i < m; i++) for (j = 0; j < n; j++) {
        int64_t sum = 0;
        for (l = 0; l < k; l++) sum += (byte_of(a, i * k + l) - (za ? byte_of(za, za->numel > 1 ? i : 0) : 0)) * (byte_of(b, l * n + j) - (zb ? byte_of(zb, zb->numel > 1 ? j : 0) : 0));
        bad += sum != ((int32_t *)y->data)[i * n + j];
    }
    CHECK_MSG(bad == 0, "%s by %s, %d x %d x %d, zero points %d: %d are wrong", tg_dtype_name(ta), tg_dtype_name(tb), (int)m, (int)n, (int)k, zeros, (int)bad);
    tg_end(tg, s);
}
static void test_bytes(void) {
    static const int64_t sizes[] = { 1, 5, 14, 33, 70 }, depths[] = { 1, 7, 64, 2100 };
    int a, b, c, types, i = 0;
    for (a = 0; a < 5; a++) for (b = 0; b < 5; b++) for (c = 0; c < 4; c++) for (types = 0; types < 4; types++, i++) bytes_product(sizes[a], sizes[b], depths[c], types, i * 5 % 8, i % 3 == 0);
    for (types = 0; types < 4; types++) { bytes_product(0, 3, 2, types, 7, false); bytes_product(3, 0, 2, types, 3, false); bytes_product(2, 3, 0, types, 3, false); }
    CHECK_OK(tg);
}
/* batches broadcast, vectors, zero points for each matrix, qlinear */
static void test_batches(void) {
    tg_mark s = tg_begin(tg);
    tg_tensor *a = some_bytes(TG_U8, TG_SHAPE(3, 2, 4, 40), false), *b = some_bytes(TG_I8, TG_SHAPE(2, 40, 50), false), *za = some_bytes(TG_U8, TG_SHAPE(3, 2, 4, 1), false), *zb = some_bytes(TG_I8, TG_SHAPE(2, 1, 50), false),
        *want = tg_matmul(tg_sub(tg_to(a, TG_F64), tg_to(za, TG_F64)), tg_sub(tg_to(b, TG_F64), tg_to(zb, TG_F64))), *y = tg_matmul_integer(a, b, za, zb), *ya = tg_number(tg, 0.02), *ys;
    int64_t i, bad = 0;
    CHECK(y && y->ndim == 4 && tg_equal(tg_to(y, TG_F64), want));
    y = tg_matmul_integer(tg_select(tg_select(tg_select(a, 0, 0), 0, 0), 0, 0), tg_select(b, 0, 0), NULL, NULL);
    CHECK(y && y->ndim == 1 && tg_equal(tg_to(y, TG_F64), tg_matmul(tg_to(tg_select(tg_select(tg_select(a, 0, 0), 0, 0), 0, 0), TG_F64), tg_to(tg_select(b, 0, 0), TG_F64))));
    /* y = round(a b * scales) + zero, cut to u8 */
    ya = tg_from(tg, TG_SHAPE(4), TG_F64, ((const double[4]){ 0.01, 0.02, 0.03, 0.005 })); ys = tg_add_scalar(tg_rand(tg, TG_SHAPE(50)), 0.5);
    a = tg_select(tg_select(a, 0, 1), 0, 1); b = tg_select(b, 0, 1); za = tg_to(tg_full(tg, TG_SCALAR, 120, TG_F32), TG_U8);
    y = tg_qlinear_matmul(a, tg_to(ya, TG_F32), za, b, ys, NULL, tg_full(tg, TG_SCALAR, 3, TG_F32), tg_to(tg_full(tg, TG_SCALAR, 131, TG_F32), TG_U8));
    want = tg_matmul_integer(a, b, za, NULL);
    CHECK(y && y->dtype == TG_U8 && want);
    for (i = 0; y && want && i < 200; i++) {
        const float scale = (float)el(ya, i / 50) * ((float *)ys->data)[i % 50] / 3;
        const double v = nearbyint((double)((float)((int32_t *)want->data)[i] * scale)) + 131;
        bad += ((uint8_t *)y->data)[i] != (v < 0 ? 0 : v > 255 ? 255 : (int)v);
    }
    CHECK_MSG(bad == 0, "qlinear_matmul: %d are wrong", (int)bad);
    CHECK((y = tg_qlinear_matmul(a, tg_number(tg, 0.1), NULL, b, tg_number(tg, 0.1), NULL, tg_number(tg, 1), tg_to(tg_zeros(tg, TG_SCALAR), TG_I8))) && y->dtype == TG_I8);
    CHECK_OK(tg);
    tg_end(tg, s);
}

/* ---- quantise and back ---- */
static void quantised(tg_dtype d, int64_t axis, int64_t block, int bits, bool one) {
    tg_mark s = tg_begin(tg);
    const int64_t shape[3] = { 3, 5, 4 }, steps[3] = { 20, 4, 1 }, size = shape[axis], groups = block ? (size + block - 1) / block : size;
    int64_t scales[3] = { 3, 5, 4 }, i, bad = 0, off = 0;
    tg_tensor *x = tg_mul_scalar(tg_randn(tg, 3, shape), 40), *scale, *zero, *q, *y;
    const double low = d == TG_U8 ? 0 : -(double)(1 << ((bits ? bits : d == TG_I16 ? 16 : 8) - 1)), high = d == TG_U8 ? (1 << (bits ? bits : 8)) - 1 : -low - 1;
    scales[axis] = groups;
    scale = tg_add_scalar(block && !one ? tg_rand(tg, 3, scales) : tg_rand(tg, TG_SHAPE(one ? 1 : size)), 0.25);
    zero = tg_to(tg_add_scalar(tg_mul_scalar(tg_rand_like(scale), 6), d == TG_U8 ? 2 : -3), d);
    for (i = 0; i < 60; i += 3) ((float *)x->data)[i] = ((float *)scale->data)[0] * (float)((double)i / 2 - 7.5);              /* halves */
    q = tg_quantize_linear(x, scale, .axis = TG_IS(axis - (axis == 2 ? 3 : 0)), .bits = bits, .block_size = block, .zero = zero);
    y = tg_dequantize_linear(q, scale, .axis = TG_IS(axis), .block_size = block, .zero = zero);
    if (!CHECK_MSG(q && y && q->dtype == d && y->dtype == TG_F32, "%s", tg_error_text(tg))) { tg_clear(tg); tg_end(tg, s); return; }
    for (i = 0; i < 60; i++) {
        const int64_t at = i / steps[axis] % size, group = block ? at / block : at, e = one ? 0 : !block ? group : i / (steps[axis] * size) * (steps[axis] * groups) + group * steps[axis] + i % steps[axis];
        const float k = ((float *)scale->data)[e];
        const double z = el(zero, e), v = nearbyint((double)(((float *)x->data)[i] / k)) + z, want = v < low ? low : v > high ? high : v;
        bad += el(q, i) != want;
        off += ((float *)y->data)[i] != (float)(want - z) * k;
    }
    CHECK_MSG(bad == 0 && off == 0, "%s along %d, blocks of %d, %d bits: %d are wrong, %d come back wrong", tg_dtype_name(d), (int)axis, (int)block, bits, (int)bad, (int)off);
    tg_end(tg, s);
}
static void test_quantised(void) {
    static const double halves[6] = { -1.5, -0.5, 0.5, 1.5, 2.5, 300 };
    int64_t axis;
    tg_tensor *x, *q, *scale = NULL, *zero = NULL, *y;
    tg_mark s = tg_begin(tg);
    for (axis = 0; axis < 3; axis++) {
        quantised(TG_U8, axis, 0, 0, false); quantised(TG_I8, axis, 0, 0, false); quantised(TG_I16, axis, 0, 0, true); quantised(TG_I8, axis, 2, 0, false); quantised(TG_U8, axis, 3, 4, false);
        quantised(TG_I8, axis, 0, 4, true); quantised(TG_I8, axis, 0, 2, false); quantised(TG_U8, axis, 9, 2, false);
    }
    x = tg_to(tg_from(tg, TG_SHAPE(6), TG_F64, halves), TG_F32);
    q = tg_quantize_linear(x, tg_number(tg, 1)); CHECK(q && q->dtype == TG_U8 && el(q, 0) == 0 && el(q, 2) == 0 && el(q, 3) == 2 && el(q, 4) == 2 && el(q, 5) == 255);
    q = tg_quantize_linear(tg_to(x, TG_I32), tg_full(tg, TG_SCALAR, 2, TG_F32), .dtype = TG_I8); CHECK(q && el(q, 0) == 0 && el(q, 5) == 127);
    q = tg_quantize_linear(tg_to(x, TG_BF16), tg_to(tg_ones(tg, TG_SHAPE(1)), TG_BF16), .dtype = TG_I8); CHECK(q && el(q, 0) == -2 && el(q, 1) == 0);
    y = tg_dequantize_linear(q, tg_to(tg_ones(tg, TG_SCALAR), TG_F16)); CHECK(y && y->dtype == TG_F16 && el(y, 5) == 127);
    y = tg_dequantize_linear(tg_to(tg_full(tg, TG_SHAPE(2), 100000, TG_F32), TG_I32), tg_full(tg, TG_SCALAR, 0.5, TG_F32)); CHECK(y && el(y, 1) == 50000);
    /* as ONNX's own cases have it: {0, 2, -3, -2.5, 1.34, 0.5} -> {153, 255, 0, 26, 221, 179}, 0.0196078438, 153 */
    { static const double in[6] = { 0, 2, -3, -2.5, 1.34, 0.5 }, out[6] = { 153, 255, 0, 26, 221, 179 };
      q = tg_dynamic_quantize_linear(tg_to(tg_from(tg, TG_SHAPE(6), TG_F64, in), TG_F32), &scale, &zero);
      CHECK(q && tg_equal(tg_to(q, TG_F64), tg_from(tg, TG_SHAPE(6), TG_F64, out)) && scale && zero && zero->dtype == TG_U8 && el(zero, 0) == 153); CHECK_NEAR(el(scale, 0), 0.0196078438, 1e-9); }
    q = tg_dynamic_quantize_linear(tg_zeros(tg, TG_SHAPE(3)), &scale, NULL); CHECK(q && el(q, 1) == 0 && el(scale, 0) == 1);
    CHECK_OK(tg);
    tg_end(tg, s);
}
/* torch.fake_quantize_*: values and gradients */
static void test_fake(void) {
    static const double in[6] = { -1.2, -0.26, 0.24, 0.25, 0.75, 9 }, want[6] = { -1, -0.5, 0, 0, 1, 1.5 }, passes[6] = { 1, 1, 1, 1, 1, 0 };
    int i;
    tg_mark s = tg_begin(tg);
    tg_tensor *x = tg_require_grad(tg_to(tg_from(tg, TG_SHAPE(6), TG_F64, in), TG_F32), true), *two, *y, *sc, *z, *inf;
    y = tg_fake_quantize_per_tensor_affine(x, 0.5, 3, 0, 6);
    CHECK(y && tg_backward(tg_sum(y)));
    for (i = 0; i < 6; i++) CHECK_MSG(el(y, i) == want[i] && el(x->grad, i) == passes[i], "element %d: %g, gradient %g", i, el(y, i), el(x->grad, i));
    two = tg_require_grad(tg_stack(((tg_tensor *[2]){ tg_detach(x), tg_detach(x) }), 2, 1), true);
    sc = tg_to(tg_from(tg, TG_SHAPE(2), TG_F64, ((const double[2]){ 0.5, 0.125 })), TG_F32); z = tg_to(tg_from(tg, TG_SHAPE(2), TG_F64, ((const double[2]){ 3, 0 })), TG_I32);
    y = tg_fake_quantize_per_channel_affine(two, sc, z, 1, 0, 6);
    CHECK(y && tg_backward(tg_sum(y)));
    for (i = 0; i < 6; i++) CHECK_MSG(el(y, 2 * i) == want[i] && el(two->grad, 2 * i) == passes[i], "element %d: %g", i, el(y, 2 * i));
    CHECK(el(y, 1) == 0 && el(y, 5) == 0.25 && el(y, 9) == 0.75 && el(y, 11) == 0.75 && el(two->grad, 1) == 0 && el(two->grad, 9) == 1 && el(two->grad, 11) == 0);
    inf = tg_require_grad(tg_full(tg, TG_SHAPE(2), INFINITY, TG_F32), true);
    y = tg_fake_quantize_per_tensor_affine(inf, 0.5, 0, -8, 7); CHECK(y && tg_backward(tg_sum(y)) && el(y, 0) == 3.5 && el(inf->grad, 0) == 0);
    y = tg_fake_quantize_per_tensor_affine(tg_to(tg_detach(x), TG_BF16), 0.5, 3, 0, 6); CHECK(y && y->dtype == TG_BF16 && el(y, 5) == 1.5);
    CHECK_OK(tg);
    tg_end(tg, s);
}

/* ---- the same bits for any number of threads ---- */
static uint64_t all_bits(tg_ctx *own, int sizes) {
    static const int64_t ms[5] = { 1, 3, 20, 70, 200 };
    tg_ctx *before = tg;
    uint64_t h = 0;
    int i;
    tg = own;
    tg_seed(tg, 3);
    for (i = 0; i < 2 * sizes; i++) {
        tg_mark s = tg_begin(tg);
        tg_tensor *y = tg_linear(tg_randn(tg, TG_SHAPE(ms[i / 2], 4160)), tg_to(tg_randn(tg, TG_SHAPE(300, 4160)), block_types[i % 2]), tg_randn(tg, TG_SHAPE(300)));
        if (CHECK(y)) h = test_hash(h, y->data, (size_t)y->numel * 4);
        tg_end(tg, s);
    }
    tg = before;
    return h;
}
static void test_threads(int set) {
    uint64_t h = 0;
    int i;
    for (i = 0; i < 3; i++) {
        tg_ctx *own = open_set(set);
        uint64_t now;
        tg_threads(own, i == 0 ? 1 : i == 1 ? 2 : 5);
        now = all_bits(own, sets[set] == TG_ISA_PLAIN ? 3 : 5);
        if (i == 0) h = now;
        CHECK_MSG(now == h, "set %d: other bits with more threads", set);
        test_close(own);
    }
}
/* ---- no memory: each allocation fails once, and nothing is half done ---- */
static void test_no_memory(void) {
    test_heap heap = TEST_HEAP;
    for (heap.fail_at = 1; ; heap.fail_at++) {
        tg_ctx *own = test_open_heap(&heap);
        if (own) {
            tg_tensor *w = tg_to(tg_ones(own, TG_SHAPE(40, 544)), TG_Q4_0), *x = tg_require_grad(tg_ones(own, TG_SHAPE(40, 544)), true), *y = tg_linear(x, w, NULL), *u = tg_to(tg_ones(own, TG_SHAPE(40, 50)), TG_U8), *scale = NULL, *zero = NULL, *q;
            if (y) (void)tg_backward(tg_sum(y));
            (void)tg_embedding(tg_to(tg_ones(own, TG_SHAPE(3)), TG_I64), w);
            (void)tg_matmul_integer(u, tg_t(u), tg_to(tg_ones(own, TG_SHAPE(1)), TG_U8), tg_to(tg_ones(own, TG_SHAPE(40)), TG_U8));
            q = tg_dynamic_quantize_linear(x, &scale, &zero);
            CHECK(!q == !scale && !q == !zero);
            (void)tg_fake_quantize_per_tensor_affine(x, 0.5, 0, -8, 7);
            CHECK(!tg_failed(own) || tg_error(own) == TG_ERROR_MEMORY);
            tg_clear(own);
            test_close(own);
        }
        if (!test_heap_ended(&heap)) break;
    }
}

int main(void) {
    int set;
    for (set = 0; set < 4; set++) {
        if (!tg_isa_supported(sets[set])) continue;
        tg = open_set(set);
        if (!CHECK(tg)) continue;
        test_products(set); test_forms(); test_bytes(); test_batches();
        if (tg->features) { const unsigned was = tg->features; tg->features = 0; test_bytes(); tg->features = was; }       /* as if tg__cpu_probe had found no instructions for dot products */
        test_close(tg);
        test_threads(set);
    }
    tg = test_open();
    test_gradients(); test_embedding(); test_refused(); test_quantised(); test_fake();
    test_close(tg);
    test_no_memory();
    return test_end("quant");
}
