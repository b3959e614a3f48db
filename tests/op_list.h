/* The list of all ops, for the tests that go through them: gradients (test_formulas.c) and devices (test_device.c). The rows of the formula table become functions of a list of operands;
   every other op has lines OP("record's name", function, operands), and tests/test_oplist.sh fails for a record that is missing here. Included behind test.h and math.h. */

typedef tg_tensor *(*row_fn)(tg_tensor *const *x, const double *p);
typedef tg_tensor *(*number_fn)(tg_tensor *a, double b);
typedef struct row {
    const char *name, *types, *domain;
    int n, numbers;
    row_fn call, put;                       /* tg_name and tg_name_     */
    number_fn scalar, scalar_put;           /* tg_name_scalar and tg_name_scalar_, or NULL */
} row;

/* ---- the table becomes functions of a list of operands ---- */
#define ARGS_N1(n) , p[0]
#define ARGS_N2(n, m) , p[0], p[1]
#define COUNT_N1(n) 1
#define COUNT_N2(n, m) 2
#define TG_F1(name, types, saves, value, dx, domain, doc) \
    static tg_tensor *name##_call(tg_tensor *const *x, const double *p) { (void)p; return name(x[0]); } \
    static tg_tensor *name##_put(tg_tensor *const *x, const double *p) { (void)p; return (name##_)(x[0]); }
#define TG_F1P(name, numbers, types, saves, value, dx, domain, doc) \
    static tg_tensor *name##_call(tg_tensor *const *x, const double *p) { return (name)(x[0] ARGS_##numbers); } \
    static tg_tensor *name##_put(tg_tensor *const *x, const double *p) { return (name##_)(x[0] ARGS_##numbers); }
#define TG_F2(name, types, saves, value, da, db, domain, doc) \
    static tg_tensor *name##_call(tg_tensor *const *x, const double *p) { (void)p; return (name)(x[0], x[1]); } \
    static tg_tensor *name##_put(tg_tensor *const *x, const double *p) { (void)p; return (name##_)(x[0], x[1]); } \
    static tg_tensor *name##_number(tg_tensor *a, double b) { return (name##_scalar)(a, b); } \
    static tg_tensor *name##_number_put(tg_tensor *a, double b) { return (name##_scalar_)(a, b); }
#define TG_W2(name, rule, value, doc) TG_F2(name, WHOLE, , , , , , doc)
#define TG_F2P(name, numbers, types, saves, value, da, db, domain, doc) \
    static tg_tensor *name##_call(tg_tensor *const *x, const double *p) { return (name)(x[0], x[1] ARGS_##numbers); } \
    static tg_tensor *name##_put(tg_tensor *const *x, const double *p) { return (name##_)(x[0], x[1] ARGS_##numbers); }
#define TG_F3(name, types, saves, value, da, db, dc, domain, doc) \
    static tg_tensor *name##_call(tg_tensor *const *x, const double *p) { (void)p; return (name)(x[0], x[1], x[2]); } \
    static tg_tensor *name##_put(tg_tensor *const *x, const double *p) { (void)p; return (name##_)(x[0], x[1], x[2]); }
#define TG_F3P(name, numbers, types, saves, value, da, db, dc, domain, doc) \
    static tg_tensor *name##_call(tg_tensor *const *x, const double *p) { return (name)(x[0], x[1], x[2] ARGS_##numbers); } \
    static tg_tensor *name##_put(tg_tensor *const *x, const double *p) { return (name##_)(x[0], x[1], x[2] ARGS_##numbers); }
#define TG_READ_ROWS
#include "../tensorgrad.h"
#define TG_F1(name, types, saves, value, dx, domain, doc)                        { #name, #types, #domain, 1, 0, name##_call, name##_put, NULL, NULL },
#define TG_F1P(name, numbers, types, saves, value, dx, domain, doc)              { #name, #types, #domain, 1, COUNT_##numbers, name##_call, name##_put, NULL, NULL },
#define TG_F2(name, types, saves, value, da, db, domain, doc)                    { #name, #types, #domain, 2, 0, name##_call, name##_put, name##_number, name##_number_put },
#define TG_W2(name, rule, value, doc)                                            { #name, "WHOLE", "NO_GRADIENT_TEST", 2, 0, name##_call, name##_put, name##_number, name##_number_put },
#define TG_F2P(name, numbers, types, saves, value, da, db, domain, doc)          { #name, #types, #domain, 2, COUNT_##numbers, name##_call, name##_put, NULL, NULL },
#define TG_F3(name, types, saves, value, da, db, dc, domain, doc)                { #name, #types, #domain, 3, 0, name##_call, name##_put, NULL, NULL },
#define TG_F3P(name, numbers, types, saves, value, da, db, dc, domain, doc)      { #name, #types, #domain, 3, COUNT_##numbers, name##_call, name##_put, NULL, NULL },
static const row rows[] = {
#define TG_READ_ROWS
#include "../tensorgrad.h"
};
enum { OP_ROWS = (int)(sizeof rows / sizeof rows[0]) };

static bool is(const char *a, const char *b) { return strcmp(a, b) == 0; }
static bool named(const row *r, const char *name) { return is(r->name + 3, name); }       /* without tg_ */

/* The numbers P0 and P1 that a row is tested with. */
TEST_MAYBE void numbers_of(const row *r, tg_dtype d, double *p) {
    bool real = tg_dtype_is_float(d) || is(r->types, "FLOATING");
    p[0] = real ? 0.75 : d == TG_BOOL ? 1 : 2; p[1] = 0;
    if (named(r, "softplus")) { p[0] = 1.5; p[1] = 3; }
    if (named(r, "clamp") || named(r, "hardtanh")) { p[0] = real ? -0.75 : 2; p[1] = real ? 1.25 : 5; }
}

/* ---- operands ---- */
static int pick_int(int low, int high) { return low + (int)(test_random() % (uint32_t)(high - low + 1)); }

/* A value for operand k, from the row's domain, that dtype d can hold. */
static double draw(const row *r, int k, tg_dtype d) {
    bool divides = named(r, "fmod") || named(r, "remainder") || named(r, "floor_divide") || named(r, "div_trunc"), choice = is(r->types, "CHOOSE") && k == 0;
    const char *domain = r->domain;
    double sign = test_random() & 1 ? 1 : -1;
    if (d == TG_BOOL || choice) return is(domain, "POSITIVE") || (k > 0 && (divides || is(domain, "NOT_AT_0"))) ? 1 : (double)(test_random() & 1);
    if (!tg_dtype_is_float(d)) {
        int low = d == TG_U8 ? 0 : -9;
        double v;
        if (named(r, "pow")) return k == 0 ? pick_int(low, 9) : pick_int(0, 5);
        if (is(domain, "POSITIVE") || is(domain, "ABOVE_1")) return pick_int(1, 9);
        if (is(domain, "UNIT")) return pick_int(low < 0 ? -1 : 0, 1);
        do v = pick_int(low, 9); while (v == 0 && (is(domain, "NOT_AT_0") || (divides && k > 0)));
        return v;
    }
    if (is(r->types, "PREDICATE")) switch (test_random() % 12) { case 0: return NAN; case 1: return INFINITY; case 2: return -INFINITY; default: return 0.5 * pick_int(-3, 3); }
    if (is(domain, "NOT_AT_0")) return sign * test_uniform(0.2, 2.5);
    if (is(domain, "POSITIVE")) return test_uniform(0.1, 3);
    if (is(domain, "UNIT")) return test_uniform(-0.9, 0.9);
    if (is(domain, "ABOVE_1")) return test_uniform(1.1, 4);
    if (is(domain, "APART")) return 0.125 * pick_int(-20, 20) + 0.03125 * k;
    if (is(domain, "REAL")) return test_uniform(-2.5, 2.5);
    if (k == 0) return pick_int(-5, 5) + (test_random() & 1 ? test_uniform(0.2, 0.4) : 0.25);           /* NO_GRADIENT_TEST: no quotient near a step */
    return sign * (pick_int(1, 2) + test_uniform(-0.01, 0.01));
}

static int64_t size_of(int ndim, const int64_t *shape) { int64_t n = 1; int i; for (i = 0; i < ndim; i++) n *= shape[i]; return n; }

/* The same values in another memory layout. */
enum { LAY_ROW_MAJOR, LAY_TURNED, LAY_GAPS, LAY_BACK, LAY_SPREAD, LAYS };
static tg_tensor *turned(tg_tensor *t) { int64_t d[TG_MAX_DIMS]; int i; for (i = 0; i < t->ndim; i++) d[i] = t->ndim - 1 - i; return t->ndim < 2 ? t : tg_permute(t, t->ndim, d); }
static tg_tensor *lay(tg_tensor *t, int layout) {
    int64_t shape[TG_MAX_DIMS];
    tg_tensor *v;
    if (!t || t->ndim == 0) return t;
    memcpy(shape, t->shape, sizeof shape);
    switch (layout) {
        case LAY_TURNED: return turned(tg_contiguous(turned(t)));
        case LAY_GAPS:
            shape[t->ndim - 1] = 2 * shape[t->ndim - 1] + 1;
            v = tg_narrow(tg_slice_dim(tg_empty(t->tg, t->ndim, shape, t->dtype), -1, 1, INT64_MAX, 2), -1, 0, t->shape[t->ndim - 1]);
            tg_copy_(v, t);
            return v;
        case LAY_BACK:
            if (shape[0] == 0) return t;
            v = tg_slice_dim(tg_empty(t->tg, t->ndim, shape, t->dtype), 0, INT64_MAX, INT64_MIN, -1);
            tg_copy_(v, t);
            return v;
        case LAY_SPREAD: return shape[0] > 0 ? tg_expand(tg_narrow(t, 0, 0, 1), t->ndim, shape) : t;      /* other values: the first row repeated */
        default: return t;
    }
}
TEST_MAYBE tg_tensor *operand(tg_ctx *tg, const row *r, int k, tg_dtype d, int ndim, const int64_t *shape, int layout) {
    int64_t n = size_of(ndim, shape), i;
    double *v = (double *)malloc((size_t)(n + 1) * sizeof(double));
    tg_tensor *t;
    for (i = 0; i < n; i++) v[i] = draw(r, k, d);
    t = tg_to(tg_from(tg, ndim, shape, TG_F64, v), is(r->types, "CHOOSE") && k == 0 ? TG_BOOL : d);
    free(v);
    return lay(t, layout);
}
static bool same(tg_tensor *a, tg_tensor *b) {                              /* dtype, shape and bits */
    size_t size;
    void *p, *q;
    bool ok;
    if (!a || !b || a->dtype != b->dtype || a->ndim != b->ndim || memcmp(a->shape, b->shape, (size_t)a->ndim * sizeof a->shape[0]) != 0) return false;
    size = (size_t)a->numel * tg_dtype_size(a->dtype);
    p = malloc(size + 1); q = malloc(size + 1);
    ok = tg_read(a, p, size) && tg_read(b, q, size) && memcmp(p, q, size) == 0;
    free(p); free(q);
    return ok;
}
static tg_tensor *viewed(tg_tensor *t, int view) {
    if (!t || t->ndim == 0) return t;
    switch (view) {
        case 1: return turned(t);
        case 2: return tg_slice_dim(t, -1, INT64_MAX, INT64_MIN, -1);
        case 3: return tg_slice_dim(t, -1, 0, INT64_MAX, 2);
        default: return t;
    }
}
/* y + y * y: so that the gradient which reaches the op depends on its operands, and the second order goes through what a backward does with it, in linear ops too. */
static bool bent(tg_tensor *y, tg_tensor **output) { *output = y ? tg_add(y, tg_mul(y, y)) : NULL; return *output != NULL; }
/* ---- every other op ---- */
typedef tg_tensor *(*op_fn)(tg_tensor *const *x, int n);
static tg_tensor *index_beside(tg_tensor *like, int ndim, const int64_t *shape, const int64_t *v) { return tg_to_device(tg_from(like->tg, ndim, shape, TG_I64, v), like->device); }
#define DO(name, e) static tg_tensor *name(tg_tensor *const *x, int n) { (void)n; return e; }
DO(sum_all, tg_sum(x[0]))
DO(sum_two, tg_sum_dims(x[0], TG_DIMS(0, -1), false))
DO(sum_keep, tg_sum_dims(x[0], TG_DIMS(-1), true))
DO(mean_all, tg_mean(x[0]))
DO(mean_one, tg_mean_dims(x[0], TG_DIMS(-1), false))
DO(mean_keep, tg_mean_dims(x[0], TG_DIMS(0), true))
DO(prod_all, tg_prod(x[0]))
DO(prod_last, tg_prod_dim(x[0], -1, false))
DO(prod_keep, tg_prod_dim(x[0], 0, true))
DO(amax_last, tg_amax_dims(x[0], TG_DIMS(-1), false))
DO(amax_all, tg_amax_dims(x[0], 0, NULL, false))
DO(amin_two, tg_amin_dims(x[0], TG_DIMS(0, 1), true))
DO(max_all, tg_max(x[0]))
DO(min_all, tg_min(x[0]))
DO(max_last, tg_max_dim(x[0], -1, false, NULL))
DO(max_keep, tg_max_dim(x[0], 0, true, NULL))
DO(min_last, tg_min_dim(x[0], -1, false, NULL))
DO(var_last, tg_var_dims(x[0], TG_DIMS(-1), 1, false))
DO(var_keep, tg_var_dims(x[0], TG_DIMS(0), 0, true))
DO(std_last, tg_std_dims(x[0], TG_DIMS(-1), 1, false))
DO(softmax_last, tg_softmax(x[0], -1))
DO(softmax_first, tg_softmax(x[0], 0))
DO(log_softmax_last, tg_log_softmax(x[0], -1))
DO(log_softmax_first, tg_log_softmax(x[0], 0))
DO(product, tg_matmul(x[0], x[1]))
DO(linear, tg_linear(x[0], x[1], n > 2 ? x[2] : NULL))
/* fixed weights in blocks, beside x */
static tg_tensor *blocks_beside(tg_tensor *x, tg_dtype dtype) {
    return !x ? NULL : tg_to_device(tg_to(tg_sin(tg_reshape(tg_arange(x->tg, 0, 3 * 64, 1, TG_F32), TG_SHAPE(3, 64))), dtype), x->device);
}
static tg_tensor *linear_blocks(tg_tensor *const *x, int n) { return tg_linear(x[0], blocks_beside(x[0], TG_Q8_0), n > 1 ? x[1] : NULL); }
static tg_tensor *linear_blocks_4(tg_tensor *const *x, int n) { return tg_linear(x[0], blocks_beside(x[0], TG_Q4_0), n > 1 ? x[1] : NULL); }
static tg_tensor *rows_of_blocks(tg_tensor *const *x, int n) {
    const int64_t two = 2, at[2] = { 2, 0 };
    (void)n;
    return tg_mul(tg_embedding(index_beside(x[0], 1, &two, at), blocks_beside(x[0], TG_Q4_0)), x[0]);
}
DO(cat_first, tg_cat(x, n, 0))
DO(cat_last, tg_cat(x, n, -1))
DO(stack_first, tg_stack(x, n, 0))
DO(stack_last, tg_stack(x, n, -1))
static tg_tensor *split_parts(tg_tensor *const *x, int n) { tg_tensor *p[3]; (void)n; return tg_split(x[0], 2, -1, p, 3) == 2 ? tg_mul(tg_sum(tg_exp(p[0])), tg_exp(p[1])) : NULL; }
static tg_tensor *grid_of(tg_tensor *const *x, int n) { tg_tensor *p[4]; return tg_meshgrid(x, n, true, p) ? tg_mul(p[0], tg_exp(p[n - 1])) : NULL; }
DO(flipped, tg_mul(tg_flip(x[0], TG_DIMS(0, -1)), x[0]))
DO(turned_right, tg_exp(tg_rot90(x[0], -1, 0, 1)))
DO(diagonal_sum, tg_exp(tg_trace(x[0])))
DO(sum_so_far, tg_cumsum(x[0], -1))
DO(product_so_far, tg_cumprod(x[0], 0))
DO(product_of_zeros, tg_cumprod(x[0], -1))
DO(largest_so_far, tg_cummax(x[0], 0, NULL))
DO(smallest_so_far, tg_cummin(x[0], -1, NULL))
DO(scan_down, tg_linear_scan(x[0], x[1], 0))
DO(scan_across, tg_linear_scan(x[0], x[1], -1))
DO(pool_largest, tg_max_pool2d(x[0], .kernel = {2}, .stride = {1, 2}, .padding = {1, 0}))
DO(pool_largest_wide, tg_max_pool1d(x[0], .kernel = {2}, .dilation = {2}, .ceil_mode = true))
static tg_tensor *pool_with_places(tg_tensor *x) { tg_tensor *places; return tg_max_pool2d(x, .kernel = {2}, .stride = {1, 2}, .padding = {1, 0}, .indices = &places); }
DO(pool_places, pool_with_places(x[0]))
DO(pool_largest_to_size, tg_adaptive_max_pool2d(x[0], TG_SHAPE(2, 3), NULL))
/* A pool's gradient by x, as a function of the gradient that comes in. */
static tg_tensor *pool_gradient(tg_tensor *g, bool largest) {
    tg_tensor *x = tg_to_device(tg_reshape(tg_arange(g->tg, 0, 2 * g->numel, 1, g->dtype), TG_SHAPE(1, -1, 4)), g->device), *y, *dx = NULL;
    const bool was = tg_grad_mode(g->tg, true);
    x = tg_require_grad(x, true);
    y = largest ? tg_max_pool1d(x, .kernel = {2}) : tg_avg_pool1d(x, .kernel = {2});
    if (!y || !tg_grad(&y, 1, &x, 1, &dx, .create_graph = was, .grad_outputs = &g)) dx = NULL;
    (void)tg_grad_mode(g->tg, was);
    return dx;
}
DO(pool_back, pool_gradient(x[0], true))
DO(pool_mean, tg_avg_pool2d(x[0], .kernel = {3, 2}, .stride = {2, 1}, .padding = {1}, .no_padding = true, .ceil_mode = true))
DO(pool_mean_deep, tg_avg_pool3d(x[0], .kernel = {2}, .padding = {0, 1, 0}))
DO(pool_to_size, tg_adaptive_avg_pool2d(x[0], TG_SHAPE(2, 3)))
DO(pool_mean_again, pool_gradient(x[0], false))
static const int64_t unpool_places[6] = { 1, 2, 5, 0, 3, 4 };
DO(unpooled, tg_max_unpool1d(x[0], tg_to_device(tg_from(x[0]->tg, TG_SHAPE(1, 2, 3), TG_I64, unpool_places), x[0]->device), .kernel = {2}))
DO(sort_up, tg_sort(x[0], -1, false, NULL))
DO(sort_down, tg_sort(x[0], 0, true, NULL))
DO(top_two, tg_topk(x[0], 2, -1, true, NULL))
DO(third_smallest, tg_kthvalue(x[0], 3, 0, false, NULL))
DO(transposed, tg_transpose(x[0], 0, -1))
DO(reshaped, tg_reshape(tg_mul(x[0], x[0]), TG_SHAPE(-1)))
DO(reshaped_copy, tg_reshape(tg_transpose(x[0], 0, 1), TG_SHAPE(-1)))
DO(expanded, tg_expand(tg_mul(x[0], x[0]), TG_SHAPE(2, 3, 4)))
DO(sliced, tg_slice(tg_mul(x[0], x[0]), "1:, ::2"))
DO(sliced_back, tg_mul(tg_slice_dim(x[0], 0, INT64_MAX, INT64_MIN, -2), tg_slice_dim(x[0], 0, INT64_MAX, INT64_MIN, -2)))
DO(selected, tg_exp(tg_select(x[0], -1, 1)))
DO(narrowed, tg_exp(tg_narrow(x[0], 0, 1, 2)))
DO(squeezed, tg_exp(tg_unsqueeze(tg_squeeze(x[0], 0), -1)))
static const int64_t steps_1_2[2] = { 1, 2 };
DO(overlapping, tg_exp(tg_as_strided(x[0], TG_SHAPE(3, 3), steps_1_2, 1)))
DO(diagonals, tg_mul(tg_diagonal(x[0], 1, 0, -1), tg_diagonal(x[0], 1, 0, -1)))
DO(diagonal_of_part, tg_exp(tg_diagonal(tg_slice_dim(x[0], 1, 0, INT64_MAX, 2), -1, 1, 0)))
DO(diagonal_of_one, tg_exp(tg_diagonal(tg_expand(x[0], TG_SHAPE(3, 3)), 0, 0, 1)))
DO(windows, tg_exp(tg_unfold(x[0], -1, 3, 1)))
DO(windows_of_part, tg_exp(tg_unfold(tg_slice_dim(x[0], 0, INT64_MAX, INT64_MIN, -2), 0, 2, 1)))
DO(windows_apart, tg_mul(tg_unfold(x[0], 0, 1, 2), tg_unfold(x[0], 0, 1, 2)))
DO(embedded, tg_exp(tg_diag_embed(x[0], -1, 0, -1)))
DO(cloned, tg_mul(tg_clone(x[0]), x[0]))
DO(converted, tg_mul(tg_to(tg_to(x[0], TG_F32), TG_F64), x[0]))
DO(made_contiguous, tg_exp(tg_contiguous(tg_transpose(x[0], 0, -1))))
DO(mse, tg_mse_loss(x[0], x[1]))
DO(no_dropout, tg_dropout(tg_mul(x[0], x[0]), 0, true))
DO(no_training, tg_dropout(tg_mul(x[0], x[0]), 0.5, false))
DO(relu_sum, tg_relu(x[0]))
DO(attended, n < 3 ? NULL : tg_scaled_dot_product_attention(x[0], x[1], x[2]))
DO(attended_causal, n < 3 ? NULL : tg_scaled_dot_product_attention(x[0], x[1], x[2], .is_causal = true, .scale = TG_IS(0.7)))
DO(attended_groups, n < 3 ? NULL : tg_scaled_dot_product_attention(x[0], x[1], x[2], .enable_gqa = true))
DO(attended_masked, n < 4 ? NULL : tg_scaled_dot_product_attention(x[0], x[1], x[2], .attn_mask = x[3]))
DO(attended_heads, n < 4 ? NULL : tg_multi_head_attention_forward(x[0], x[0], x[0], .attn_mask = x[3], .in_proj_weight = x[1], .num_heads = 2, .out_proj_weight = x[2]))
DO(conv, tg_conv2d(x[0], x[1], n > 2 ? x[2] : NULL))
DO(conv_strided, tg_conv2d(x[0], x[1], n > 2 ? x[2] : NULL, .stride = {2, 1}, .padding = {1, 2}))
DO(conv_line, tg_conv1d(x[0], x[1], n > 2 ? x[2] : NULL, .stride = 2, .padding = 1))
DO(conv_line_same, tg_conv1d(x[0], x[1], n > 2 ? x[2] : NULL, .groups = 2, .same = true))
DO(conv_same, tg_conv2d(x[0], x[1], n > 2 ? x[2] : NULL, .dilation = {1, 2}, .same = true))
DO(conv_deep, tg_conv3d(x[0], x[1], n > 2 ? x[2] : NULL, .stride = {2, 1, 1}, .padding = {1, 0, 1}, .dilation = {1, 1, 2}))
DO(conv_back_line, tg_conv_transpose1d(x[0], x[1], n > 2 ? x[2] : NULL, .stride = 2, .output_padding = 1))
DO(conv_back, tg_conv_transpose2d(x[0], x[1], n > 2 ? x[2] : NULL, .stride = {2, 1}, .padding = {1, 0}, .dilation = {1, 3}, .output_padding = {1, 2}, .groups = 2))
DO(conv_back_deep, tg_conv_transpose3d(x[0], x[1], n > 2 ? x[2] : NULL, .stride = {1, 2, 1}, .padding = {0, 1, 0}))
DO(conv_dilated, tg_conv2d(x[0], x[1], n > 2 ? x[2] : NULL, .dilation = {2, 1}, .padding = {1, 0}, .groups = 2))

static tg_tensor *line_of(tg_tensor *like, int count, int modulo) {            /* 0, 2, 4, ... modulo: some repeat */
    int64_t v[16];
    int i;
    for (i = 0; i < count; i++) v[i] = i * 2 % modulo;
    return index_beside(like, TG_SHAPE(count), v);
}
DO(select_rows, tg_exp(tg_index_select(x[0], 0, line_of(x[0], 5, 3))))
DO(select_columns, tg_exp(tg_index_select(x[0], -1, line_of(x[0], 4, 3))))
DO(select_none, tg_index_select(x[0], 0, line_of(x[0], 0, 1)))
DO(add_rows, tg_exp(tg_index_add(x[0], 0, line_of(x[0], 4, 3), x[1])))
DO(add_columns, tg_exp(tg_index_add(x[0], -1, line_of(x[0], 4, 3), x[1])))
static tg_tensor *grid(tg_tensor *like, int64_t modulo, bool repeats) {   /* an index of like's shape; along dim 0 each index once unless it repeats */
    int64_t v[64], i;
    for (i = 0; i < like->numel; i++) { int64_t row = i / like->shape[like->ndim - 1], column = i % like->shape[like->ndim - 1]; v[i] = ((repeats ? row / 2 : row) + column) % modulo; }
    return index_beside(like, like->ndim, like->shape, v);
}
DO(gather_rows, tg_exp(tg_gather(x[0], 0, grid(x[0], x[0]->shape[0], true))))
DO(gather_columns, tg_exp(tg_gather(x[0], 1, tg_contiguous(tg_t(grid(tg_t(x[0]), x[0]->shape[1], false))))))
DO(scatter_rows, tg_exp(tg_scatter(x[0], 0, grid(x[1], x[0]->shape[0], false), x[1])))
static tg_tensor *downwards(tg_tensor *like) { int64_t v[16], n = like->shape[0], i; for (i = 0; i < n; i++) v[i] = n - 1 - i; return index_beside(like, 1, &n, v); }
DO(copied_rows, tg_exp(tg_index_copy(x[0], 0, downwards(x[1]), x[1])))
DO(scatter_over, tg_exp(tg_scatter(x[0], 0, grid(x[1], x[0]->shape[0], true), x[1])))
DO(scatter_add_rows, tg_exp(tg_scatter_add(x[0], 0, grid(x[1], x[0]->shape[0], true), x[1])))
DO(scatter_products, tg_square(tg_scatter_reduce(x[0], 0, grid(x[1], x[0]->shape[0], true), x[1], TG_SCATTER_PROD, true)))
DO(scatter_largest, tg_exp(tg_scatter_reduce(x[0], 0, grid(x[1], x[0]->shape[0], true), x[1], TG_SCATTER_AMAX, false)))
DO(scatter_smallest, tg_exp(tg_scatter_reduce(x[0], 0, grid(x[1], x[0]->shape[0], true), x[1], TG_SCATTER_AMIN, true)))
DO(in_its_bucket, tg_mul(x[0], tg_to(tg_bucketize(tg_detach(x[0]), tg_div_scalar(tg_to(line_of(x[0], 7, 7), x[0]->dtype), 2), true, false), x[0]->dtype)))
static tg_tensor *at_two(tg_tensor *x, tg_tensor *values) {                   /* x[[2, 0], [1, 2]], or x with values there */
    tg_tensor *list[2];
    const int64_t rows[2] = { 2, 0 }, columns[2] = { 1, -1 };
    list[0] = index_beside(x, TG_SHAPE(2), rows); list[1] = index_beside(x, TG_SHAPE(2), columns);
    return values ? tg_index_put(x, list, 2, values, false) : tg_index(x, list, 2);
}
DO(taken_at, tg_exp(at_two(x[0], NULL)))
DO(put_at, tg_exp(at_two(x[0], x[1])))
DO(quantiles, tg_exp(tg_quantile(x[0], tg_number(x[0]->tg, 0.3), .dim = TG_IS(0))))
DO(norm_layer, tg_layer_norm(x[0], TG_SHAPE(x[0]->shape[x[0]->ndim - 1]), x[1], n > 2 ? x[2] : NULL, 1e-3))
DO(norm_layers, tg_layer_norm(x[0], 2, x[0]->shape + 1, n > 1 ? x[1] : NULL, NULL, 1e-3))
DO(norm_rms, tg_rms_norm(x[0], TG_SHAPE(x[0]->shape[x[0]->ndim - 1]), n > 1 ? x[1] : NULL, 1e-3))
DO(norm_groups, tg_group_norm(x[0], 2, n > 1 ? x[1] : NULL, n > 2 ? x[2] : NULL, 1e-3))
DO(norm_batch, tg_batch_norm(x[0], NULL, NULL, n > 1 ? x[1] : NULL, n > 2 ? x[2] : NULL, true, 0.1, 1e-3))
DO(norm_given, tg_batch_norm(x[0], x[1], tg_exp(x[2]), x[2], n > 3 ? x[3] : NULL, false, 0.1, 1e-3))
DO(norm_instance, tg_instance_norm(x[0], NULL, NULL, n > 1 ? x[1] : NULL, n > 2 ? x[2] : NULL, true, 0.1, 1e-3))
DO(entropy, tg_cross_entropy(x[0], line_of(x[0], (int)x[0]->shape[0], 3)))
DO(vector_dots, tg_vecdot(x[0], x[1], 0))
DO(added_mm, n < 3 ? NULL : tg_addmm(x[0], x[1], x[2], 0.5, -2))
DO(added_bias, n < 3 ? NULL : tg_addmm(x[0], x[1], x[2], 1, 1))
DO(added_nothing, n < 3 ? NULL : tg_addmm(x[0], x[1], x[2], 0, 0.5))
DO(added_outer, n < 3 ? NULL : tg_addr(x[0], x[1], x[2], 2, 1))
DO(added_batches, n < 3 ? NULL : tg_addbmm(x[0], x[1], x[2], 1, 0.5))
static tg_tensor *added_into(tg_tensor *const *x, int n) { return n < 3 ? NULL : tg_baddbmm_(tg_mul_scalar(x[0], 2), x[1], x[2], -1, 2); }
DO(sums_batched, tg_einsum("bij,bjk->bik", x, n))
DO(sums_diagonal, tg_einsum("iij->j", x, n))
DO(sums_three, tg_einsum("bi, ij, bj", x, n))
DO(sums_dots, tg_einsum("...i,...i", x, n))
DO(sums_nothing, tg_einsum("ij,kj->jki", x, n))
DO(contracted, tg_tensordot_dims(x[0], x[1], TG_DIMS(1, 0), TG_DIMS(0, -1)))
DO(chained, tg_multi_dot(x, n))
DO(matrix_cubed, tg_matrix_power(x[0], 3))
DO(matrix_exps, tg_matrix_exp(tg_mul_scalar(x[0], 1.5)))
DO(kronecker, tg_kron(x[0], x[1]))
DO(crossed, tg_cross(x[0], x[1]))
DO(vander_rows, tg_linalg_vander(x[0], 4))
DO(covariance, tg_cov(x[0]))
DO(correlation, tg_corrcoef(x[0]))
DO(distances, tg_cdist(x[0], x[1], 2, TG_CDIST_DIRECT))
DO(distances_mm, tg_cdist(x[0], x[1], 2, TG_CDIST_MATMUL))
DO(distances_3, tg_cdist(x[0], x[1], 3, TG_CDIST_AUTO))
DO(distances_low, tg_cdist(x[0], x[1], 1.5, TG_CDIST_AUTO))
static tg_tensor *often(tg_tensor *x, int64_t times) { const int64_t n[3] = { 1, times, 12 }; return tg_repeat(x, x->ndim, n + 3 - x->ndim); }
DO(distances_pieces, tg_cdist(often(x[0], 31), often(x[1], 8), 3, TG_CDIST_DIRECT))      /* more differences than are made at once */
DO(distances_max, tg_cdist(x[0], x[1], (double)INFINITY, TG_CDIST_AUTO))
DO(pair_distance, tg_pairwise_distance(x[0], x[1], 2, 1e-6, false))
DO(cosines, tg_cosine_similarity(x[0], x[1], -1, 1e-8))
DO(normal_rows, tg_normalize(x[0], 2, -1, 1e-12))
DO(bilinear, n < 3 ? NULL : tg_bilinear(x[0], x[1], x[2], n > 3 ? x[3] : NULL))
/* losses, whose every part is another operation */
static tg_tensor *classes_of(tg_tensor *x, int64_t modulo) {                   /* of x's shape without dimension 1 */
    tg_tensor *one = x->ndim > 1 ? tg_select(x, 1, 0) : tg_select(x, 0, 0);
    int64_t v[16], i;
    for (i = 0; i < one->numel && i < 16; i++) v[i] = i * 2 % modulo;
    return index_beside(x, one->ndim, one->shape, v);
}
#if defined(__cplusplus)
#define LOSS(name, ...) name##_args a = name##_args(); int parts = 0; (void)parts; __VA_ARGS__; return name##_from(&a)
#else
#define LOSS(name, ...) name##_args a; memset(&a, 0, sizeof a); __VA_ARGS__; return name##_from(&a)
#endif
/* operands that are not given are NULL, which is refused or means that there is none */
#define DOES(name, ...) static tg_tensor *name(tg_tensor *const *given, int n) { tg_tensor *x[4]; int k; for (k = 0; k < 4; k++) x[k] = k < n ? given[k] : NULL; LOSS(__VA_ARGS__); }
DOES(l1_none, tg_l1_loss, a.x = x[0]; a.target = x[1]; a.reduction = TG_LOSS_NONE)
DOES(mse_weighted, tg_mse_loss, a.x = x[0]; a.target = x[1]; a.weight = tg_exp(x[2]))
DOES(huber, tg_huber_loss, a.x = x[0]; a.target = x[1]; a.delta.is = true; a.delta.value = 0.7; a.reduction = TG_LOSS_SUM)
DOES(smooth_l1, tg_smooth_l1_loss, a.x = x[0]; a.target = x[1]; a.beta.is = true; a.beta.value = 0.4)
DOES(bce, tg_binary_cross_entropy, a.x = tg_sigmoid(x[0]); a.target = tg_sigmoid(x[1]); a.weight = x[2])
DOES(bce_logits, tg_binary_cross_entropy_with_logits, a.x = x[0]; a.target = tg_sigmoid(x[1]); a.pos_weight = tg_exp(x[2]))
DOES(kl_plain, tg_kl_div, a.x = x[0]; a.target = tg_exp(x[1]); a.reduction = TG_LOSS_BATCHMEAN)
DOES(kl_log, tg_kl_div, a.x = x[0]; a.target = x[1]; a.log_target = true)
DOES(nll, tg_nll_loss, a.x = tg_exp(x[0]); a.target = classes_of(x[0], 3); a.weight = tg_exp(x[1]); a.ignore_index.is = true; a.ignore_index.value = 1)
DOES(entropy_smooth, tg_cross_entropy, a.x = x[0]; a.target = classes_of(x[0], 3); a.weight = tg_exp(x[1]); a.label_smoothing = 0.3)
DOES(entropy_probable, tg_cross_entropy, a.x = x[0]; a.target = tg_sigmoid(x[1]); a.reduction = TG_LOSS_NONE)
DOES(soft_margin, tg_soft_margin_loss, a.x = x[0]; a.target = x[1])
DOES(multi_margin, tg_multi_margin_loss, a.x = x[0]; a.target = classes_of(x[0], 3); a.p = 2; a.weight = tg_exp(x[1]))
DOES(multilabel, tg_multilabel_margin_loss, a.x = x[0]; a.target = tg_add_scalar(grid(x[0], 3, false), -1); a.reduction = TG_LOSS_NONE)
DOES(multilabel_soft, tg_multilabel_soft_margin_loss, a.x = x[0]; a.target = tg_sigmoid(x[1]); a.weight = x[2])
DOES(hinge, tg_hinge_embedding_loss, a.x = x[0]; a.target = tg_sign(tg_detach(x[1])))
DOES(poisson, tg_poisson_nll_loss, a.x = x[0]; a.target = tg_add_scalar(tg_exp(x[1]), 1); a.full = true)
DOES(gaussian, tg_gaussian_nll_loss, a.x = x[0]; a.target = x[1]; a.var = tg_exp(x[2]); a.full = true)
DOES(ranking, tg_margin_ranking_loss, a.x1 = x[0]; a.x2 = x[1]; a.target = x[2]; a.margin = 0.5)
DOES(cosine, tg_cosine_embedding_loss, a.x1 = x[0]; a.x2 = x[1]; a.target = tg_sign(tg_detach(x[2])); a.margin = -0.5)
DOES(triplet, tg_triplet_margin_loss, a.anchor = x[0]; a.positive = x[1]; a.negative = x[2]; a.swap = true; a.p.is = true; a.p.value = 3)
static tg_tensor *lengths_beside(tg_tensor *x, int64_t a, int64_t b) { int64_t v[2]; v[0] = a; v[1] = b; return index_beside(x, TG_SHAPE(2), v); }
DOES(ctc, tg_ctc_loss, a.log_probs = tg_log_softmax(x[0], 2); a.targets = line_of(x[0], 3, 3); a.blank = 1; a.input_lengths = lengths_beside(x[0], 4, 3); a.target_lengths = lengths_beside(x[0], 1, 2))
DOES(resized_bilinear, tg_interpolate, a.x = x[0]; a.mode = TG_INTERPOLATE_BILINEAR; a.size[0] = 5; a.size[1] = 2)
DOES(resized_bicubic, tg_interpolate, a.x = x[0]; a.mode = TG_INTERPOLATE_BICUBIC; a.scale_factor[0] = 0.7; a.scale_factor[1] = 1.6)
DOES(resized_smooth, tg_interpolate, a.x = x[0]; a.mode = TG_INTERPOLATE_BICUBIC; a.antialias = true; a.size[0] = 2; a.size[1] = 3)
DOES(resized_line, tg_interpolate, a.x = x[0]; a.mode = TG_INTERPOLATE_LINEAR; a.align_corners = true; a.size[0] = 5)
DOES(resized_area, tg_interpolate, a.x = x[0]; a.mode = TG_INTERPOLATE_AREA; a.size[0] = 2; a.size[1] = 2; a.size[2] = 3)
DOES(resized_nearest, tg_interpolate, a.x = x[0]; a.size[0] = 4; a.size[1] = 3)
DOES(sampled, tg_grid_sample, a.x = x[0]; a.grid = x[1])
DOES(sampled_border, tg_grid_sample, a.x = x[0]; a.grid = x[1]; a.padding = TG_GRID_BORDER; a.align_corners = true)
DOES(sampled_bicubic, tg_grid_sample, a.x = x[0]; a.grid = x[1]; a.mode = TG_GRID_BICUBIC; a.padding = TG_GRID_REFLECTION)
DOES(sampled_nearest, tg_grid_sample, a.x = x[0]; a.grid = tg_detach(x[1]); a.mode = TG_GRID_NEAREST)
static tg_tensor *boxes_beside(tg_tensor *x) {
    static const double v[15] = { 0, 0.3, 0.2, 3.1, 2.4, 0, -1.5, 1, 9, 1.25, 0, 1, 1, 1.1, 1.2 };
    return tg_to_device(tg_to(tg_from(x->tg, TG_SHAPE(3, 5), TG_F64, v), x->dtype), x->device);
}
DOES(aligned_boxes, tg_roi_align, a.x = x[0]; a.boxes = boxes_beside(x[0]); a.output_size[0] = 2; a.output_size[1] = 3; a.aligned = true; a.sampling_ratio = 2)
DOES(adaptive_boxes, tg_roi_align, a.x = x[0]; a.boxes = boxes_beside(x[0]); a.output_size[0] = 2; a.output_size[1] = 1; a.spatial_scale.is = true; a.spatial_scale.value = 0.5)
#undef DOES
#undef LOSS
DO(pairs, tg_pdist(x[0], 2))
DO(pairs_3, tg_pdist(x[0], 3))
#undef DO
/* recurrent layers: x, w_ih, w_hh and h0 are operands, what else there is is made of them. Everything that comes out takes part */
static tg_tensor *recurred(tg_tensor *const *x, int n, int kind, bool both, bool projected, bool states_only) {
    tg_tensor *w[10], *h = NULL, *c = NULL, *y, *h0 = n < 4 ? NULL : tg_unsqueeze(x[3], 0), *twice[2];
    tg_lstm_args l;
    tg_gru_args g;
    int k, each = 2;
    if (n < 4) return NULL;
    memset(&l, 0, sizeof l); memset(&g, 0, sizeof g);
    w[0] = x[1]; w[1] = x[2];
    if (x[1]->shape[1] > 1) { w[2] = tg_select(x[1], 1, 0); w[3] = tg_mul_scalar(tg_select(x[1], 1, 1), 0.5); each = 4; }
    if (projected) w[each++] = tg_t(tg_narrow(x[2], 0, 0, x[2]->shape[0] / 4));
    for (k = 0; both && k < each; k++) w[each + k] = tg_sin(w[k]);
    twice[0] = twice[1] = h0;
    if (both) { h0 = tg_cat(twice, 2, 0); each *= 2; }
    if (kind == TG_RNN_LSTM) {
        l.x = x[0]; l.h0 = h0; l.weights = w; l.n_weights = each; l.bidirectional = both; l.h_n = &h; l.c_n = &c;
        l.c0 = projected ? tg_matmul(h0, tg_narrow(tg_t(x[2]), 1, 0, x[2]->shape[0] / 4)) : tg_sin(h0);
        y = tg_lstm_from(&l);
    } else {
        g.x = x[0]; g.h0 = h0; g.weights = w; g.n_weights = each; g.bidirectional = both; g.h_n = &h;
        y = kind == TG_RNN_GRU ? tg_gru_from(&g) : kind == TG_RNN_TANH ? tg_rnn_tanh_from(&g) : tg_rnn_relu_from(&g);
    }
    if (!y) return NULL;
    y = states_only ? h : tg_mul(tg_sum_dims(h, TG_DIMS(0), false), tg_narrow(y, 2, 0, h->shape[2]));
    return c ? tg_add(tg_sum(y), tg_mul(c, c)) : y;
}
#define DO(name, ...) static tg_tensor *name(tg_tensor *const *x, int n) { return recurred(x, n, __VA_ARGS__); }
DO(plain_layer, TG_RNN_TANH, false, false, false)
DO(plain_layer_both, TG_RNN_TANH, true, false, true)
DO(relu_layer, TG_RNN_RELU, false, false, false)
DO(lstm_layer, TG_RNN_LSTM, false, false, false)
DO(lstm_layer_both, TG_RNN_LSTM, true, false, true)
DO(lstm_layer_projected, TG_RNN_LSTM, false, true, false)
DO(gru_layer, TG_RNN_GRU, false, false, false)
DO(gru_layer_both, TG_RNN_GRU, true, false, true)
#undef DO
static tg_tensor *permuted(tg_tensor *const *x, int n) { (void)n; return tg_exp(tg_permute(x[0], TG_DIMS(2, 0, 1))); }
static tg_tensor *copied(tg_tensor *const *x, int n) { tg_tensor *y = tg_clone(tg_mul(x[0], x[0])); (void)n; return tg_copy_(y, x[1]) ? tg_mul(y, x[0]) : NULL; }
static tg_tensor *copied_part(tg_tensor *const *x, int n) { tg_tensor *y = tg_clone(tg_mul(x[0], x[0])); (void)n; return tg_copy_(tg_select(y, 0, 1), x[1]) ? tg_mul(y, y) : NULL; }
static tg_tensor *added_part(tg_tensor *const *x, int n) { tg_tensor *y = tg_clone(x[0]); (void)n; return tg_mul_(tg_t(tg_narrow(y, 1, 1, 2)), x[1]) ? tg_mul(y, y) : NULL; }
static tg_tensor *filled_part(tg_tensor *const *x, int n) { tg_tensor *y = tg_mul(x[0], x[0]); (void)n; return tg_fill_(tg_narrow(y, 0, 0, 1), 3) ? tg_mul(y, x[0]) : NULL; }
static tg_tensor *filled_all(tg_tensor *const *x, int n) { tg_tensor *y = tg_mul(x[0], x[0]); (void)n; return tg_fill_(y, 3) ? tg_mul(y, tg_exp(x[0])) : NULL; }
static tg_tensor *randomised(tg_tensor *const *x, bool normal) {
    tg_ctx *tg = x[0]->tg;
    tg_random_state s = tg_random_get(tg);
    tg_tensor *y = tg_mul(x[0], x[0]), *v = tg_narrow(y, 0, 1, 1);
    tg_seed(tg, 7);
    v = normal ? tg_normal_(v, 0, 1) : tg_uniform_(v, 0, 1);
    tg_random_set(tg, s);
    return v ? tg_mul(y, x[0]) : NULL;
}
static tg_tensor *made_normal(tg_tensor *const *x, int n) { (void)n; return randomised(x, true); }
static tg_tensor *made_uniform(tg_tensor *const *x, int n) { (void)n; return randomised(x, false); }
static tg_tensor *dropped(tg_tensor *const *x, int n) {
    tg_ctx *tg = x[0]->tg;
    tg_random_state s = tg_random_get(tg);
    tg_tensor *y;
    (void)n;
    tg_seed(tg, 9);
    y = tg_dropout(tg_mul(x[0], x[0]), 0.4, true);
    tg_random_set(tg, s);
    return y;
}
static bool inner(void *user, tg_tensor *const *x, int n, tg_tensor **y, int m) {
    (void)user; (void)n; (void)m;
    y[0] = tg_tanh(tg_matmul(x[0], tg_exp(x[1])));
    return y[0] != NULL;
}
static tg_tensor *checkpointed(tg_tensor *const *x, int n) {
    tg_function_call c;
    tg_tensor *y = NULL;
    memset(&c, 0, sizeof c);
    c.f = inner; c.inputs = x; c.n_inputs = n; c.n_outputs = 1;
    return tg_checkpoint(&c, &y) ? y : NULL;
}

/* The operands of each case: shapes, ';' between operands, '|' between cases; nothing is a 0-d tensor. Letters before a shape: t turned, b back to front, g with gaps (views that the
   function itself takes), o an operand with turned strides; d distinct values, z some zeros, e eighths (exact in f32, with a wide difference). */
typedef struct op_case { const char *op; const char *called; op_fn f; const char *operands; } op_case;
#define OP(record, f, operands) { record, #f, f, operands },
static const op_case ops[] = {
    OP("sum", sum_all, "2 3|t 2 3|g 5|0 3|")
    OP("sum", sum_two, "2 3 4|t 2 3 2|b 3 1 2|2 0 3|o 3 2 4")
    OP("sum", sum_keep, "2 3|t 3 2|0 3|3 0|4")
    OP("mean", mean_all, "2 3|t 2 3|")
    OP("mean", mean_one, "2 3|b 3 2|g 2 2 3|0 3")
    OP("mean", mean_keep, "2 3|t 3 2|o 3 4")
    OP("prod", prod_all, "2 3|z 5|t 2 2|0 3|")
    OP("prod", prod_last, "2 3|z 2 4|t 3 2|0 3|3 0|g 3 3")
    OP("prod", prod_keep, "3 2|z 4 2|b 3 2")
    OP("amax", amax_last, "d 2 3|d t 3 4|d b 2 3|0 3")
    OP("amax", amax_all, "d 2 3|d g 5|")
    OP("amin", amin_two, "d 2 3|d t 3 2|d 2 3 2")
    OP("max", max_all, "d 2 3|d t 2 3|")
    OP("min", min_all, "d 2 3|d b 4|")
    OP("max_dim", max_last, "d 2 3|d t 3 4|d g 2 3|0 3")
    OP("max_dim", max_keep, "d 3 2|d b 3 4")
    OP("min_dim", min_last, "d 2 3|d o 3 4|0 3")
    OP("sum", var_last, "2 3|t 2 4|b 5|0 3")
    OP("sum", var_keep, "3 2|g 3 2")
    OP("sum", std_last, "2 3|t 2 4|b 5")
    OP("softmax", softmax_last, "2 3|t 3 4|b 4|0 3|g 2 3")
    OP("softmax", softmax_first, "3 2|o 3 4|t 3 2|")
    OP("log_softmax", log_softmax_last, "2 3|t 3 4|b 4|0 3|g 2 3")
    OP("log_softmax", log_softmax_first, "3 2|o 3 4|")
    OP("matmul", product, "2 3;3 4|3;3|3;3 2|2 3;3|t 2 3;t 3 2|b 2 3;g 3 2|2 0;0 3|0 2;2 3|2 2;2 0")
    OP("matmul", product, "2 2 3;3 2|2 1 2 3;3 3 2|3;2 3 2|2 2 3;3|1 2 3;4 3 2|t 2 2 3;o 2 3 2|0 2 3;3 2|2 2 0;2 0 2")
    OP("mul", vector_dots, "2 3;2 3|3;3|t 3 2;b 1 2")
    OP("matmul", added_mm, "2 4;2 3;3 4|4;t 2 3;b 3 4|;2 3;3 2|2 2;2 0;0 2")
    OP("linear", linear_blocks, "1 64;3|64|2 64;3|t 2 64|0 64")
    OP("linear", linear_blocks_4, "3 64;3|2 1 64")
    OP("mul", rows_of_blocks, "2 64")
    OP("linear", added_bias, "4;2 3;3 4|b 2;t 2 3;t 3 2|2;2 0;0 2")
    OP("matmul", added_nothing, "2 4;2 3;3 4")
    OP("mul", added_outer, "2 3;2;3|3;b 2;g 3")
    OP("matmul", added_batches, "2 4;3 2 2;3 2 4|t 2 4;t 3 2 2;b 3 2 4")
    OP("matmul", added_into, "2 2 3;2 2 2;2 2 3")
    OP("matmul", sums_batched, "2 2 3;2 3 2|1 2 3;2 3 1|t 2 2 3;b 2 3 2|2 2 1;2 3 2|0 2 3;0 3 2")
    OP("sum", sums_diagonal, "3 3 2|t 2 2 3|b 2 2 2")
    OP("matmul", sums_three, "2 3;3 4;2 4|t 2 2;b 2 3;g 2 3|1 3;3 2;3 2")
    OP("matmul", sums_dots, "2 3;1 3|2 2 3;3|3;3|t 2 3;b 2 3")
    OP("mul", sums_nothing, "2 3;4 3|t 3 2;1 2")
    OP("matmul", contracted, "2 3 4;3 2 2|t 2 3 2;b 3 2 2|1 3;3 2")
    OP("matmul", chained, "3;3 2;2 4;4|2 3;t 3 4;4|t 3 2;b 2 4")
    OP("matmul", matrix_cubed, "2 2|2 3 3|t 3 3")
    OP("matmul", matrix_exps, "2 2|2 2 2|t 3 3")
    OP("mul", kronecker, "2 3;1 2|2;2 2|t 2 3;b 2 2")
    OP("mul", crossed, "2 3;2 3|3 2;3 1|t 3 2;b 3 2")
    OP("cat", vander_rows, "3|t 2 2|")
    OP("matmul", covariance, "2 4|t 3 3|5")
    OP("matmul", correlation, "2 4|t 3 4")
    OP("sub", distances, "2 3;4 3|2 2 3;1 3 3|t 2 3;b 3 3|2 0;3 0")
    OP("matmul", distances_mm, "2 3;4 3|2 2 3;1 3 3|t 2 3;b 3 3")
    OP("sub", distances_3, "2 3;3 3")
    OP("sub", distances_low, "2 3;3 3")
    OP("cdist", distances_pieces, "2 3;2 3|2 1 3;1 2 3|t 2 3;b 2 3")
    OP("sub", distances_max, "2 3;3 3")
    OP("sub", pair_distance, "2 3;2 3|3;t 2 3")
    OP("div", cosines, "2 3;2 3|3;t 2 3")
    OP("div", normal_rows, "2 3|t 3 4|b 3")
    OP("linear", bilinear, "2 3;2 2;3 3 2;3|3;2;2 3 2|2 2 3;t 2 2 2;t 2 3 2;b 2")
    OP("linear", linear, "2 3;4 3;4|2 3;4 3|2 2 3;2 3;2|3;2 3;2|3;2 3|t 2 3;t 4 3;b 4|0 3;2 3;2|2 0;3 0;3|g 2 3;o 2 3")
    OP("conv2d", conv, "1 2 4 4;3 2 3 3;3|2 1 3 4;2 1 2 2|2 3 4;2 2 2 1;2|t 1 2 3 3;t 2 2 2 2;b 2|0 2 3 3;2 2 2 2;2|o 1 2 3 4;o 1 2 2 3")
    OP("conv2d", conv_strided, "1 2 4 3;2 2 3 2;2|g 1 1 3 3;2 1 2 2")
    OP("conv2d", conv_dilated, "1 4 4 3;2 2 2 2;2|2 2 5 3;4 1 3 2")
    OP("conv2d", conv_same, "1 2 3 3;2 2 2 3;2|t 1 1 3 2;1 1 3 2|0 2 2 2;2 2 2 2")
    OP("conv2d_weight", conv, "1 1 3 3;1 1 2 2;1")
    OP("conv1d", conv_line, "2 2 5;3 2 3;3|2 4;2 2 2|t 2 2 4;b 2 2 3;g 2|0 2 4;2 2 2")
    OP("conv1d", conv_line_same, "1 4 3;2 2 2;2|o 2 2 3;2 1 4")
    OP("conv1d_weight", conv_line, "2 2 5;2 2 3")
    OP("conv3d", conv_deep, "1 2 3 2 3;2 2 2 2 2;2|2 2 3 3;1 2 3 1 2|t 1 1 2 2 3;t 2 1 2 2 1|o 1 2 3 2 4;1 2 2 1 2;b 1")
    OP("conv3d_weight", conv_deep, "1 1 3 2 3;1 1 2 2 2")
    OP("conv_transpose1d", conv_back_line, "2 2 3;2 3 3;3|2 3;2 1 2|t 1 2 3;b 2 1 3;g 1|0 2 3;2 2 2;2")
    OP("conv_transpose2d", conv_back, "1 2 3 2;2 1 2 2;2|2 2 2;2 1 3 1|t 1 4 2 2;o 4 1 2 2;b 2")
    OP("conv_transpose3d", conv_back_deep, "1 2 2 2 2;2 1 2 3 1;1|2 2 2 1;2 1 2 2 2|t 1 1 2 2 2;t 1 1 1 2 2")
    OP("cat", cat_first, "2 3;1 3|2 3;0 3;1 3|t 2 3;b 2 3|3;2;1|0 3;0 3")
    OP("cat", cat_last, "2 3;2 1|2 2 1;t 2 2 2;g 2 2 2")
    OP("cat", stack_first, "2 3;2 3|;|0 3;0 3|t 2 2;b 2 2;g 2 2")
    OP("cat", stack_last, "2 3;2 3|3;3;3")
    OP("slice", split_parts, "2 3|t 2 4|g 4")
    OP("expand", grid_of, "2;3|3;|2;b 2;3")
    OP("clone", flipped, "2 3|t 3 2|b 2 2 3")
    OP("clone", turned_right, "2 3|t 3 2|g 2 2 3")
    OP("gather", diagonal_sum, "3 3|2 4|t 3 2|b 2 3|0 3")
    /* scan */
    OP("cumsum", sum_so_far, "3 4|t 3 4|b 2 2|g 2 3|0 3|3 0|1|")
    OP("cumprod", product_so_far, "3 2|t 3 4|g 2 3|0 3|3 0|1|")
    OP("cumprod", product_of_zeros, "z 2 4|z t 3 3")
    OP("cummax", largest_so_far, "d 4 2|d t 3 4|d g 5|0 3|3 0|")
    OP("cummin", smallest_so_far, "d 2 4|d b 4 2")
    OP("linear_scan", scan_down, "3 2;3 2|t 4 3;4 3|b 2 2;g 2 2|0 3;0 3|1;1|;")
    OP("linear_scan", scan_across, "2 3;2 3|g 2 3;t 2 3")

    /* window */

    /* pool */
    OP("max_pool", pool_largest, "d 1 2 4 5|d o 2 1 3 4|d 1 3 4|d o 2 3 2 2|0 1 2 2")
    OP("max_pool_places", pool_places, "d 1 2 4 5|d o 2 1 3 4|d 1 3 4")
    OP("max_pool", pool_largest_to_size, "d 1 2 4 5|d o 2 2 3 2|d 2 5 4")
    OP("max_pool_back", pool_back, "1 2 2|1 1 2")
    OP("max_pool", pool_largest_wide, "d 2 1 5|d t 6 2")
    OP("avg_pool", pool_mean, "1 2 4 5|o 2 3 3 3|2 4 3|g 1 2 3 4|0 1 3 3")
    OP("avg_pool", pool_mean_deep, "1 2 2 2 3|2 3 2 2")
    OP("avg_pool", pool_to_size, "1 2 4 5|o 2 3 1 2|g 2 5 4")
    OP("avg_pool_back", pool_mean_again, "1 2 2|1 1 2")
    OP("max_unpool", unpooled, "1 2 3")

    OP("resample", resized_bilinear, "2 2 3 4|t 2 3 2 2|b 1 2 3 3|0 2 3 3|o 1 2 3 4|1 3 1 1")
    OP("resample", resized_bicubic, "1 2 3 4|t 1 2 4 4|2 1 2 2")
    OP("resample_back", resized_smooth, "1 2 5 4|t 5 6 1 2|1 1 1 7")
    OP("resample", resized_line, "2 1 3|t 4 2 1|b 1 1 5")
    OP("resample_back", resized_area, "1 1 3 4 3|t 2 3 2 1 1")
    OP("resample", resized_nearest, "1 2 2 3|t 2 2 2 1")
    OP("grid_sample", sampled, "1 2 3 4;1 2 3 2|t 1 3 2 3;b 1 2 2 2|1 1 2 3 2;1 1 2 2 3|0 2 3 3;0 2 2 2")
    OP("grid_sample_input", sampled_border, "2 1 3 3;2 2 2 2|1 1 2 2 3;1 2 1 2 3")
    OP("grid_sample", sampled_bicubic, "1 2 4 4;1 2 2 2|1 1 3 3 2;1 1 1 2 3")
    OP("grid_sample_input", sampled_nearest, "1 2 3 4;1 2 3 2")
    OP("roi_align", aligned_boxes, "1 2 4 4|t 3 4 2 1|b 1 1 2 2")
    OP("roi_align_input", adaptive_boxes, "1 2 4 4|t 3 4 2 1")

    OP("scaled_dot_product_attention", attended, "1 2 3 2;1 2 4 2;1 2 4 3|t 1 1 5 3;b 1 1 2 3;g 1 1 2 2|2 3;4 3;4 1|2 1 2 2;3 2 2;2 2|1 1 2 3;1 1 0 3;1 1 0 2")
    OP("scaled_dot_product_attention", attended_causal, "1 1 6 2;1 1 4 2;1 1 4 1|g 1 1 2 2;o 1 1 3 2;1 1 3 2|2 1 1 2;2 1 1 2;2 1 1 2")
    OP("scaled_dot_product_attention", attended_groups, "1 4 2 2;1 2 3 2;1 2 3 2|2 5 1;1 4 1;1 4 2|t 1 2 5 2;1 1 2 2;b 1 2 2 1")
    OP("matmul", attended_masked, "1 2 2 2;1 2 3 2;1 2 3 2;2 3|1 1 2 1;1 1 3 1;1 1 3 1;t 1 1 2 1")
    OP("matmul", attended_heads, "3 1 4;12 4;4 4;3 3|2 2;6 2;t 2 2;2 2")

    /* rnn */
    OP("rnn_tanh", plain_layer, "3 2 2;3 2;3 3;2 3|1 1 2;2 2;2 2;1 2|t 2 3 2;t 2 2;b 2 2;t 3 2|2 0 2;2 2;2 2;0 2")
    OP("rnn_tanh", plain_layer_both, "3 2 2;3 2;3 3;2 3|b 2 1 1;2 1;2 2;1 2")
    OP("rnn_relu", relu_layer, "3 2 2;3 2;3 3;2 3|t 2 3 2;2 2;t 2 2;3 2")
    OP("lstm", lstm_layer, "3 2 2;8 2;8 2;2 2|1 1 2;4 2;4 1;1 1|t 2 3 2;t 8 2;b 8 2;t 3 2|2 2 1;g 12 1;12 3;b 2 3")
    OP("lstm", lstm_layer_both, "3 2 2;8 2;8 2;2 2|2 1 1;8 1;8 2;1 2")
    OP("lstm", lstm_layer_projected, "2 2 2;12 2;12 2;2 2|3 1 2;t 8 2;b 8 1;1 1")
    OP("gru", gru_layer, "3 2 2;6 2;6 2;2 2|1 1 2;3 2;3 1;1 1|t 2 3 2;t 6 2;b 6 2;t 3 2")
    OP("gru", gru_layer_both, "3 2 2;6 2;6 2;2 2|2 1 1;9 1;9 3;1 3")

    /* search */
    OP("scatter_prod", scatter_products, "4 3;4 3|t 3 2;g 3 2|3 2;0 2")
    OP("scatter_amax", scatter_largest, "4 3;4 3|t 3 2;g 3 2|3 2;0 2")
    OP("scatter_amin", scatter_smallest, "4 3;4 3|t 3 2;g 3 2|3 2;0 2")
    OP("mul", in_its_bucket, "4 3|t 3 2|g 5|0 3|")
    OP("index_select", taken_at, "4 3|t 3 4")
    OP("scatter", put_at, "4 3;2|t 3 4;2")
    OP("sort", quantiles, "4 3|t 3 4|g 5")

    OP("sort", sort_up, "d 2 4|d t 3 4|d g 5|0 3|3 0|")
    OP("sort", sort_down, "d 4 2|d b 4 2")
    OP("topk", top_two, "d 2 4|d t 3 4|d g 5|0 3")
    OP("topk", third_smallest, "d 4 2|d b 4 2")
    OP("index_select", select_rows, "3 2|t 3 2|b 3 2 2|3|g 4 2|3 0")
    OP("index_select", select_columns, "2 3|t 2 3|3")
    OP("index_select", select_none, "3 2|3")
    OP("index_add", add_rows, "3 2;4 2|t 3 2;b 4 2|3;4|3 0;4 0")
    OP("index_add", add_columns, "2 3;2 4|g 2 3;t 2 4")
    OP("gather", gather_rows, "3 4|t 3 2|b 3 2|0 2")
    OP("gather", gather_columns, "2 3|g 3 3|o 3 2")
    OP("scatter", scatter_rows, "4 3;3 3|t 4 2;b 2 2|4 2;0 2")
    OP("index_copy", copied_rows, "4 3;3 3|t 3 2;b 2 2|4 2;0 2")
    OP("scatter", scatter_over, "4 3;3 3")
    OP("scatter_add", scatter_add_rows, "4 3;4 3|t 3 2;g 3 2|3 2;0 2")
    OP("permute", permuted, "2 3 2|t 2 2 3|0 2 3")
    OP("permute", transposed, "2 3 2|3|b 2 3")
    OP("view", reshaped, "2 3|0 3|")
    OP("contiguous", reshaped_copy, "2 3|b 3 2|0 3")
    OP("expand", expanded, "3 1|4|b 1 4|1 1 1|")
    OP("slice", sliced, "3 4|t 3 4|2 2 3|1 3")
    OP("slice_put", sliced, "3 4|b 3 5|g 2 2")
    OP("slice", sliced_back, "4 2|t 5 2|0 2|3")
    OP("slice", selected, "2 3|t 3 2|b 2|0 2")
    OP("slice", narrowed, "4 2|g 3 3|3 0")
    OP("view", squeezed, "1 3|2 3|t 1 2 2")
    OP("as_strided", overlapping, "10|3 3|1 2 5")
    OP("as_strided_add", overlapping, "10")
    OP("diagonal", diagonals, "3 4|t 4 3|3 2 3|b 3 3|1 1|0 2")
    OP("diagonal", diagonal_of_part, "3 5|t 3 6|b 2 4|2 3 2")
    OP("diagonal", diagonal_of_one, "3 1|1 3|t 3 1")
    OP("unfold", windows, "2 5|t 4 3|3|b 2 3|0 3")
    OP("unfold", windows_of_part, "5 2|t 6 2|4")
    OP("unfold", windows_apart, "5|3 2|1")
    OP("as_strided_add", embedded, "3|t 2 3|2 0|1")
    OP("clone", cloned, "2 3|t 2 3|0 2|")
    OP("to", converted, "e 2 3|e t 2 3|0 3|e")
    OP("contiguous", made_contiguous, "2 3|b 3 2|0 2")
    OP("copy_", copied, "2 3;2 3|2 3;3|2 3;|t 2 3;b 2 3|0 3;0 3|;")
    OP("write_view", copied_part, "3 2;2|t 3 2;b 2|2 3;")
    OP("write_view", added_part, "2 4;2 2|t 2 3;2 1")
    OP("fill_", filled_part, "3 2|t 2 3|2")
    OP("fill_", filled_all, "3 2|0 3|")
    OP("uniform_", made_uniform, "3 2|t 2 2")
    OP("normal_", made_normal, "3 2|b 2 2")
    OP("checkpoint", checkpointed, "2 3;3 2|t 2 2;b 2 2")
    OP("tie", relu_sum, "d 2 3|d t 2 3|0 3")
    OP("mean", mse, "2 3;2 3|t 2 3;b 2 3|;")
    OP("abs", l1_none, "2 3;2 3|t 2 3;b 3|;|0 3;3")
    OP("div", mse_weighted, "2 3;2 3;2 3|t 2 3;b 3;2 3")
    OP("clamp", huber, "2 3;2 3|t 2 3;b 3|;")
    OP("clamp", smooth_l1, "2 3;2 3|t 2 3;b 3|;")
    OP("log", bce, "2 3;2 3;3|t 2 3;b 2 3;2 1")
    OP("logsigmoid", bce_logits, "2 3;2 3;3|t 2 3;b 2 3;2 1")
    OP("log", kl_plain, "2 3;2 3|t 3 2;b 2")
    OP("exp", kl_log, "2 3;2 3|t 3 2;b 2|;")
    OP("gather", nll, "3 4;4|t 2 3 2;3|b 3;3")
    OP("cross_entropy", entropy_smooth, "3 4;4|t 2 3 2;3|b 3;3")
    OP("log_softmax", entropy_probable, "3 4;3 4|t 2 3 2;b 2 3 2|3;3")
    OP("logsigmoid", soft_margin, "2 3;2 3|t 3 2;b 2")
    OP("relu", multi_margin, "3 4;4|t 2 3;3")
    OP("relu", multilabel, "3 4|t 4 3|b 2 3")
    OP("logsigmoid", multilabel_soft, "2 3;2 3;3|t 2 3;b 2 3;3")
    OP("where", hinge, "2 3;2 3|t 3 2;b 2")
    OP("log", poisson, "2 3;2 3|t 3 2;b 2")
    OP("log", gaussian, "2 3;2 3;2 3|t 2 3;b 3;2|2 3;2 3;2 1")
    OP("where", ranking, "2 3;2 3;2 3|t 2 3;b 1 3;2 1")
    OP("div", cosine, "2 3;2 3;2|t 3 2;b 3 2;3|3;3;")
    OP("pow", triplet, "2 3;2 3;2 3|t 3 2;b 3 2;1 2")
    OP("gather", ctc, "4 2 3|t 4 2 3")
    OP("sqrt", pairs, "4 3|t 3 2|b 1 3|0 2")
    OP("pow", pairs_3, "4 3|t 3 2")
    OP("layer_norm", norm_layer, "3 4;4;4|2 3 4;4|t 3 4;b 4;4|o 2 3 4;4;4|g 2 5;5;5|3 1;1;1|0 3;3;3|4;4;4")
    OP("layer_norm", norm_layers, "2 3 4;3 4|2 2 3|t 2 3 2;t 3 2")
    OP("rms_norm", norm_rms, "3 4;4|2 3 4|t 3 4;b 4|g 2 5;5|4;4")
    OP("group_norm", norm_groups, "2 4 3;4;4|3 4;4|2 4 2 2;4;4|t 2 4 3;4;b 4|o 2 4 3;4;4|g 1 2 5;2;2|0 4 2;4;4")
    OP("batch_norm", norm_batch, "4 3;3;3|2 3 4;3|2 3 2 2;3;3|t 2 3 4;b 3;3|3 1 2")
    OP("addcmul", norm_given, "4 3;3;3;3|2 3 2;b 3;3")
    OP("instance_norm", norm_instance, "2 3 4;3;3|2 2 3;2|1 3 2 2|t 2 3 4;3;b 3|o 2 3 4;3;3")
    OP("cross_entropy", entropy, "2 3|t 3 4|b 2 3|o 3 5|2 4|g 2 3|0 3")
    OP("mul", no_dropout, "2 3|0 3|")
    OP("mul", no_training, "2 3")
    OP("dropout", dropped, "3 4|t 2 5|0 3|")
    OP("dropout_again", dropped, "3 4|t 2 5")
};
#undef OP

typedef struct op_job { const op_case *c; char view[4]; } op_job;
TEST_MAYBE bool call_op(void *user, tg_tensor *const *inputs, int n_inputs, tg_tensor **outputs, int n_outputs) {
    const op_job *j = (const op_job *)user;
    tg_tensor *x[4];
    int i;
    (void)n_outputs;
    for (i = 0; i < n_inputs; i++) x[i] = viewed(inputs[i], j->view[i]);
    return bent(j->c->f(x, n_inputs), &outputs[0]);
}
/* The operands of the case that begins at `s`, their views into j; returns the case's end, a '|' or the end. */
static const char *op_operands(tg_ctx *tg, const op_case *o, const char *s, op_job *j, tg_tensor **x, int *n, bool *wide) {
    int i;
    memset(j, 0, sizeof *j);
    j->c = o;
    *n = 0; *wide = false;
    for (;;) {                                                              /* one operand */
        int64_t shape[TG_MAX_DIMS], swap, count = 1, k;
        int ndim = 0, layout = 0;
        char view = 0;
        bool distinct = false, zeros = false;
        double v[256];
        for (; *s && *s != ';' && *s != '|'; s++) {
            if (*s >= '0' && *s <= '9') { shape[ndim] = *s - '0'; while (s[1] >= '0' && s[1] <= '9') shape[ndim] = shape[ndim] * 10 + *++s - '0'; ndim++; }
            else if (*s == 't') view = 1; else if (*s == 'b') view = 2; else if (*s == 'g') view = 3; else if (*s == 'o') layout = LAY_TURNED;
            else if (*s == 'd') distinct = true; else if (*s == 'z') zeros = true; else if (*s == 'e') *wide = true;
        }
        if (view == 1) for (i = 0; i < ndim / 2; i++) { swap = shape[i]; shape[i] = shape[ndim - 1 - i]; shape[ndim - 1 - i] = swap; }
        if (view == 3) shape[ndim - 1] *= 2;
        for (i = 0; i < ndim; i++) count *= shape[i];
        for (k = 0; k < count && k < 256; k++) v[k] = distinct ? (double)k * 0.25 - 1.13 : zeros && k % 3 == 1 ? 0 : *wide ? 0.125 * pick_int(-20, 20) : test_uniform(-1.5, 1.5);
        if (distinct) for (k = count - 1; k > 0; k--) { int64_t q = pick_int(0, (int)k); double w = v[k]; v[k] = v[q]; v[q] = w; }
        j->view[*n] = view;
        x[(*n)++] = lay(tg_from(tg, ndim, shape, TG_F64, v), layout);
        if (*s != ';') break;
        s++;
    }
    return s;
}
