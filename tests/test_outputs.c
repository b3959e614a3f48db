/* Every function that writes through a pointer writes NULL, 0 or "" before anything can fail, and leaves no half of its results when it fails late. One ROW per function; which
   functions there are is read from the prototypes: tests/test_outlist.sh fails for one that has no row here. Each row is run rightly, then with every mistake it knows, with a
   NULL and with an ended operand, while an error is pending, and with each of its allocations failing in turn. */
#include "test.h"

#define OUTPUTS 3
/* what a call writes to; poisoned before each */
typedef struct outs {
    tg_tensor *t[OUTPUTS]; int n_t;            /* how many of them this row uses */
    const int64_t *shape; bool has_shape;
    uint64_t from; bool has_from;
    char text[64]; bool has_text;
} outs;
static tg_tensor poison;
static const int64_t poison_shape[1] = { 77 };

enum { RIGHT, MISTAKES = 8 };
typedef enum result { REFUSED, WORKED, NO_SUCH } result;

static bool doubles(void *user, tg_tensor *const *inputs, int n_inputs, tg_tensor **outputs, int n_outputs) {
    (void)user; (void)n_inputs; (void)n_outputs;
    outputs[0] = tg_sum(tg_square(inputs[0]));
    return outputs[0] != NULL;
}
/* fills its output, then fails */
static bool fails_late(void *user, tg_tensor *const *inputs, int n_inputs, tg_tensor **outputs, int n_outputs) {
    (void)user; (void)n_inputs; (void)n_outputs;
    outputs[0] = tg_sum(inputs[0]);
    return false;
}
static tg_function_call call_of(tg_tensor *const *x, int how) {
    tg_function_call c;
    c.f = how == 1 ? NULL : how == 2 ? fails_late : doubles; c.user = NULL; c.inputs = how == 3 ? NULL : x; c.n_inputs = 1; c.n_outputs = 1;
    return c;
}
static tg_tensor *vector(tg_tensor *x, bool like) { return x && x->alive && !tg_failed(x->tg) ? like ? tg_ones_like(x) : tg_number(x->tg, 1) : NULL; }

typedef struct row { const char *name; result (*run)(tg_tensor *x, int how, outs *o); } row;
#define ROW(name) static result name##_row(tg_tensor *x, int how, outs *o)

ROW(tg_grad_from) {
    tg_grad_args a;
    tg_tensor *y = NULL;
    o->n_t = 1;
    if (how > 4) return NO_SUCH;
    memset(&a, 0, sizeof a);
    if (x && x->alive && !tg_failed(x->tg)) { tg_require_grad(x, true); y = tg_sum(tg_square(x)); }
    a.outputs = how == 1 ? NULL : how == 2 ? &x : &y; a.n_outputs = how == 3 ? 0 : 1;
    a.inputs = how == 4 ? NULL : &x; a.n_inputs = 1; a.gradients = o->t;
    return tg_grad_from(&a) ? WORKED : REFUSED;
}
ROW(tg_vjp) {
    tg_function_call c = call_of(&x, how);
    tg_tensor *v = vector(x, false);
    o->n_t = 2;
    if (how > 5) return NO_SUCH;
    if (how == 5) v = vector(x, true);                                        /* of another shape */
    return tg_vjp(&c, how == 4 ? NULL : &v, &o->t[0], &o->t[1]) ? WORKED : REFUSED;
}
ROW(tg_jvp) {
    tg_function_call c = call_of(&x, how);
    tg_tensor *v = vector(x, true);
    o->n_t = 2;
    if (how > 5) return NO_SUCH;
    if (how == 5) v = vector(x, false);
    return tg_jvp(&c, how == 4 ? NULL : &v, &o->t[0], &o->t[1]) ? WORKED : REFUSED;
}
ROW(tg_hvp) {
    tg_function_call c = call_of(&x, how);
    tg_tensor *v = vector(x, true);
    o->n_t = 2;
    if (how > 5) return NO_SUCH;
    if (how == 5) v = vector(x, false);
    return tg_hvp(&c, how == 4 ? NULL : &v, &o->t[0], &o->t[1]) ? WORKED : REFUSED;
}
ROW(tg_checkpoint) {
    tg_function_call c = call_of(&x, how % 4);
    bool off = how >= 4, ok;
    o->n_t = 1;
    if (how > 6) return NO_SUCH;
    if (x && x->alive && off) tg_grad_mode(x->tg, false);                     /* it then only runs the function */
    if (off && how == 4) c.n_outputs = 0;
    if (off && how == 4) o->n_t = 0;
    ok = tg_checkpoint(&c, o->t);
    if (x && x->alive) tg_grad_mode(x->tg, true);
    return ok ? WORKED : REFUSED;
}
static bool squares(void *user, tg_tensor *const *in, int n, tg_tensor **y, int m) { (void)user; (void)n; (void)m; y[0] = tg_square(in[0]); return y[0] != NULL; }
ROW(tg_vmap) {
    tg_function_call c = call_of(&x, how % 4);
    if (how == 0) c.f = squares;
    o->n_t = 1;
    return how > 3 ? NO_SUCH : tg_vmap(&c, o->t) ? WORKED : REFUSED;
}
ROW(tg_max_dim) { o->n_t = 1; return how > 1 ? NO_SUCH : tg_max_dim(x, how == 1 ? 9 : 0, false, o->t) ? WORKED : REFUSED; }
ROW(tg_min_dim) { o->n_t = 1; return how > 1 ? NO_SUCH : tg_min_dim(x, how == 1 ? 9 : 0, false, o->t) ? WORKED : REFUSED; }
ROW(tg_sort)    { o->n_t = 1; return how > 1 ? NO_SUCH : tg_sort(x, how == 1 ? 9 : 0, false, o->t) ? WORKED : REFUSED; }
ROW(tg_split)   { o->n_t = how == 3 ? 2 : 3; return how > 3 ? NO_SUCH : tg_split(x, how == 1 ? -1 : 1, how == 2 ? 9 : 0, o->t, how == 3 ? 2 : 3) ? WORKED : REFUSED; }
ROW(tg_split_sizes) {
    static const int64_t sizes[4][2] = { { 1, 2 }, { 1, 1 }, { 4, -1 }, { 1, 2 } };
    o->n_t = 2;
    return how > 3 ? NO_SUCH : tg_split_sizes(x, 2, sizes[how], how == 3 ? 9 : 0, o->t) ? WORKED : REFUSED;
}
ROW(tg_median_dim) { o->n_t = 1; return how > 1 ? NO_SUCH : tg_median_dim(x, how == 1 ? 9 : 0, false, o->t) ? WORKED : REFUSED; }
ROW(tg_aminmax) { o->n_t = 2; return how > 1 ? NO_SUCH : tg_aminmax(x, TG_DIMS(how == 1 ? 9 : 0), false, o->t, o->t + 1) ? WORKED : REFUSED; }
ROW(tg_var_mean) { o->n_t = 2; return how > 1 ? NO_SUCH : tg_var_mean(x, TG_DIMS(how == 1 ? 9 : 0), 1, false, o->t, o->t + 1) ? WORKED : REFUSED; }
ROW(tg_std_mean) { o->n_t = 2; return how > 1 ? NO_SUCH : tg_std_mean(x, TG_DIMS(how == 1 ? 9 : 0), 1, false, o->t, o->t + 1) ? WORKED : REFUSED; }
ROW(tg_cummax)  { o->n_t = 1; return how > 1 ? NO_SUCH : tg_cummax(x, how == 1 ? 9 : 0, o->t) ? WORKED : REFUSED; }
ROW(tg_cummin)  { o->n_t = 1; return how > 1 ? NO_SUCH : tg_cummin(x, how == 1 ? 9 : 0, o->t) ? WORKED : REFUSED; }
static tg_tensor *longer(tg_tensor *x, bool two) { return two ? tg_reshape(x, TG_SHAPE(1, -1)) : tg_reshape(x, TG_SHAPE(1, 1, 1, -1)); }
#define POOL(n, flat) tg_max_pool##n##_args a; memset(&a, 0, sizeof a); a.x = longer(x, flat); a.kernel[0] = how == 1 ? 99 : 1; a.indices = o->t; o->n_t = 1; return how > 1 ? NO_SUCH : tg_max_pool##n##_from(&a) ? WORKED : REFUSED
#define TO_SIZE(n, flat) const int64_t size = how == 1 ? -1 : 1; o->n_t = 1; return how > 1 ? NO_SUCH : tg_adaptive_max_pool##n(longer(x, flat), 1, &size, o->t) ? WORKED : REFUSED
ROW(tg_max_pool1d_from) { POOL(1d, true); }
ROW(tg_adaptive_max_pool1d) { TO_SIZE(1d, true); }
ROW(tg_adaptive_max_pool2d) { TO_SIZE(2d, false); }
ROW(tg_adaptive_max_pool3d) { TO_SIZE(3d, false); }
ROW(tg_topk) { o->n_t = 1; return how > 2 ? NO_SUCH : tg_topk(x, how == 2 ? 99 : 1, how == 1 ? 9 : 0, false, o->t) ? WORKED : REFUSED; }
ROW(tg_kthvalue) { o->n_t = 1; return how > 2 ? NO_SUCH : tg_kthvalue(x, how == 2 ? 99 : 1, how == 1 ? 9 : 0, false, o->t) ? WORKED : REFUSED; }
ROW(tg_nonzero_tuple) { o->n_t = how == 1 ? 0 : 1; return how > 1 ? NO_SUCH : tg_nonzero_tuple(x, o->t, how == 1 ? 0 : 1) ? WORKED : REFUSED; }
ROW(tg_unravel_index) {
    static const int64_t shape[2] = { 2, 2 };
    tg_tensor *places = x && x->alive && !tg_failed(x->tg) && how != 1 ? tg_to(x, TG_I64) : x;
    o->n_t = how == 2 ? 0 : 2;
    return how > 3 ? NO_SUCH : tg_unravel_index(places, how == 2 ? 0 : 2, how == 3 ? NULL : shape, o->t) ? WORKED : REFUSED;
}
ROW(tg_unique) { o->n_t = 2; return how > 0 ? NO_SUCH : tg_unique(x, o->t, o->t + 1) ? WORKED : REFUSED; }
ROW(tg_unique_dim) { o->n_t = 2; return how > 1 ? NO_SUCH : tg_unique_dim(x, how == 1 ? 9 : 0, o->t, o->t + 1) ? WORKED : REFUSED; }
ROW(tg_unique_consecutive) { o->n_t = 2; return how > 0 ? NO_SUCH : tg_unique_consecutive(x, o->t, o->t + 1) ? WORKED : REFUSED; }
ROW(tg_unique_consecutive_dim) { o->n_t = 2; return how > 1 ? NO_SUCH : tg_unique_consecutive_dim(x, how == 1 ? 9 : 0, o->t, o->t + 1) ? WORKED : REFUSED; }
ROW(tg_histogram) {
    static const double wrong[2] = { 1, 0 };
    o->n_t = 1;
    return how > 2 ? NO_SUCH : tg_histogram(x, how == 1 ? 0 : 3, how == 2 ? wrong : NULL, NULL, true, o->t) ? WORKED : REFUSED;
}
ROW(tg_mode) { o->n_t = 1; return how > 1 ? NO_SUCH : tg_mode(x, how == 1 ? 9 : 0, false, o->t) ? WORKED : REFUSED; }
ROW(tg_dynamic_quantize_linear) { o->n_t = 2; return how > 1 ? NO_SUCH : tg_dynamic_quantize_linear(how == 1 && x && x->alive && !tg_failed(x->tg) ? tg_to(x, TG_I32) : x, o->t, o->t + 1) ? WORKED : REFUSED; }
ROW(tg_nanmedian_dim) { o->n_t = 1; return how > 1 ? NO_SUCH : tg_nanmedian_dim(x, how == 1 ? 9 : 0, false, o->t) ? WORKED : REFUSED; }
ROW(tg_gradient_from) {
    static const int64_t nine = 9;
    o->n_t = how == 1 ? 0 : 1;
    return how > 2 ? NO_SUCH : tg_gradient(x, o->t, how == 1 ? 0 : 1, .dims = how == 2 ? &nine : NULL, .n_dims = how == 2) ? WORKED : REFUSED;
}
ROW(tg_meshgrid) {
    tg_tensor *list[2];
    list[0] = x; list[1] = how == 1 ? NULL : how == 2 && x && x->alive ? tg_unsqueeze(x, 0) : how == 3 && x && x->alive ? tg_to(x, TG_F64) : x;
    o->n_t = 2;
    return how > 3 ? NO_SUCH : tg_meshgrid(list, 2, false, o->t) ? WORKED : REFUSED;
}
ROW(tg_broadcast_tensors) {
    tg_tensor *list[2];
    list[0] = x; list[1] = how == 1 ? NULL : how == 2 && x && x->alive ? tg_cat(list, 1, 9) : how == 3 && x && x->alive ? tg_narrow(x, 0, 0, 2) : x;
    o->n_t = 2;
    return how > 3 ? NO_SUCH : tg_broadcast_tensors(list, 2, o->t) ? WORKED : REFUSED;
}
ROW(tg_broadcast_shapes) {
    int64_t out[TG_MAX_DIMS] = { 77, 77 };
    tg_ctx *tg = x && x->alive ? x->tg : NULL;
    const int n = how == 2 ? tg_broadcast_shapes(tg, 9, out, 0, NULL, out) : how == 3 ? tg_broadcast_shapes(tg, 1, NULL, 0, NULL, out)
        : tg_broadcast_shapes(tg, TG_SHAPE(2, 1), TG_SHAPE(how == 1 ? 3 : 2, 5), out);
    if (how > 3) return NO_SUCH;
    o->has_from = true; o->from = (uint64_t)out[0];
    CHECK(out[1] == (n > 0 ? 5 : 0) && out[7] == 0);
    return n == 2 ? WORKED : REFUSED;
}
/* what is cut: [3], [3, 3], [3, 3, 3] */
static tg_tensor *cube(tg_tensor *x, int n) {
    int64_t shape[3] = { 3, 3, 3 };
    return x && x->alive && !tg_failed(x->tg) ? tg_expand(x, n, shape) : x;
}
static const int64_t cuts[2] = { 1, 2 };
ROW(tg_multi_head_attention_forward_from) {
    tg_multi_head_attention_forward_args a;
    int64_t nine[2] = { 9, 3 };
    o->n_t = 1;
    if (how > 2) return NO_SUCH;
    memset(&a, 0, sizeof a);
    a.query = a.key = a.value = cube(x, 2); a.num_heads = how == 1 ? 2 : 1;
    a.in_proj_weight = how == 2 ? NULL : x && x->alive && !tg_failed(x->tg) ? tg_expand(x, 2, nine) : x; a.out_proj_weight = a.query; a.weights = o->t;
    return tg_multi_head_attention_forward_from(&a) ? WORKED : REFUSED;
}
ROW(tg_chunk)  { o->n_t = how == 3 ? 2 : 3; return how > 3 ? NO_SUCH : tg_chunk(x, how == 1 ? 0 : 3, how == 2 ? 9 : 0, o->t, how == 3 ? 2 : 3) ? WORKED : REFUSED; }
ROW(tg_unbind) { o->n_t = how == 2 ? 2 : 3; return how > 2 ? NO_SUCH : tg_unbind(x, how == 1 ? 9 : 0, o->t, how == 2 ? 2 : 3) ? WORKED : REFUSED; }
ROW(tg_tensor_split) { o->n_t = how == 2 ? 0 : 3; return how > 2 ? NO_SUCH : tg_tensor_split(x, how == 2 ? 0 : 3, how == 1 ? 9 : 0, o->t) ? WORKED : REFUSED; }
ROW(tg_hsplit) { o->n_t = how == 1 ? 2 : 3; return how > 1 ? NO_SUCH : tg_hsplit(x, how == 1 ? 2 : 3, o->t) ? WORKED : REFUSED; }
ROW(tg_vsplit) { o->n_t = how == 1 ? 2 : 3; return how > 2 ? NO_SUCH : tg_vsplit(how == 2 ? x : cube(x, 2), how == 1 ? 2 : 3, o->t) ? WORKED : REFUSED; }
ROW(tg_dsplit) { o->n_t = how == 1 ? 2 : 3; return how > 2 ? NO_SUCH : tg_dsplit(how == 2 ? x : cube(x, 3), how == 1 ? 2 : 3, o->t) ? WORKED : REFUSED; }
ROW(tg_tensor_split_at) { o->n_t = 3; return how > 2 ? NO_SUCH : tg_tensor_split_at(x, 2, how == 1 ? NULL : cuts, how == 2 ? 9 : 0, o->t) ? WORKED : REFUSED; }
ROW(tg_hsplit_at) { o->n_t = 3; return how > 1 ? NO_SUCH : tg_hsplit_at(x, 2, how == 1 ? NULL : cuts, o->t) ? WORKED : REFUSED; }
ROW(tg_vsplit_at) { o->n_t = 3; return how > 1 ? NO_SUCH : tg_vsplit_at(how == 1 ? x : cube(x, 2), 2, cuts, o->t) ? WORKED : REFUSED; }
ROW(tg_dsplit_at) { o->n_t = 3; return how > 1 ? NO_SUCH : tg_dsplit_at(how == 1 ? x : cube(x, 3), 2, cuts, o->t) ? WORKED : REFUSED; }

/* recurrent layers of x [3, 3, 3], with one unit; `how` 4 leaves a weight out */
static bool recurs(tg_tensor *x, int how, int gates, tg_tensor **w) {
    const bool alive = x && x->alive && !tg_failed(x->tg);
    int i;
    for (i = 0; i < 4; i++) w[i] = !alive ? x : i < 2 ? tg_ones(x->tg, TG_SHAPE(gates, i ? 1 : 3)) : tg_ones(x->tg, TG_SHAPE(gates));
    if (how == 4) w[1] = NULL;
    return alive;
}
ROW(tg_lstm_from) {
    tg_lstm_args a;
    tg_packed_sequence packed;
    tg_tensor *w[4];
    if (how > 4) return NO_SUCH;
    o->n_t = 2;
    memset(&a, 0, sizeof a); memset(&packed, 0, sizeof packed);
    (void)recurs(x, how, 4, w);
    a.x = cube(x, 3); a.weights = w; a.n_weights = how == 1 ? 3 : 4; a.h_n = o->t; a.c_n = o->t + 1;
    if (how == 2) a.dropout = 2;
    if (how == 3) a.packed = &packed;
    return tg_lstm_from(&a) ? WORKED : REFUSED;
}
ROW(tg_gru_from) {
    tg_gru_args a;
    tg_tensor *w[4];
    if (how > 4) return NO_SUCH;
    o->n_t = 1;
    memset(&a, 0, sizeof a);
    (void)recurs(x, how, how == 3 ? 4 : 3, w);
    a.x = cube(x, 3); a.weights = w; a.n_weights = how == 1 ? 3 : 4; a.h_n = o->t;
    if (how == 2) a.num_layers = -1;
    return tg_gru_from(&a) ? WORKED : REFUSED;
}
ROW(tg_lstm_cell) {
    tg_tensor *w[4];
    if (how > 4) return NO_SUCH;
    o->n_t = 1;
    (void)recurs(x, how, how == 1 ? 3 : 4, w);
    return tg_lstm_cell(x, how == 2 ? x : NULL, how == 3 ? w[0] : NULL, w[0], w[1], w[2], w[3], o->t) ? WORKED : REFUSED;
}
ROW(tg_pad_packed_sequence) {
    tg_packed_sequence packed;
    if (how > 3) return NO_SUCH;
    o->n_t = 1;
    memset(&packed, 0, sizeof packed);
    if (x && x->alive && !tg_failed(x->tg) && how != 1) packed.batch_sizes = tg_full(x->tg, TG_SHAPE(how == 2 ? 2 : 3), 1, TG_I64);
    return tg_pad_packed_sequence(x, &packed, false, 0, how == 3 ? 2 : 0, o->t) ? WORKED : REFUSED;
}

static bool two_check(tg_ctx *tg, tg__node *n) {
    const tg_tensor *x = tg_node_in(n, 0);
    (void)tg;
    return tg_node_make(n, 0, x->dtype, x->ndim, x->shape) && tg_node_make(n, 1, x->dtype, x->ndim, x->shape);
}
static bool two_forward(tg_ctx *tg, tg__node *n) { (void)tg; return tg_zero_(tg_node_out(n, 0)) && tg_zero_(tg_node_out(n, 1)); }
static bool two_fails(tg_ctx *tg, tg__node *n) { (void)tg; return tg_node_fail(n, TG_ERROR_VALUE, "no"); }
ROW(tg_call) {
    tg_op op;
    memset(&op, 0, sizeof op);
    o->n_t = 2;
    if (how > 5) return NO_SUCH;
    op.name = "two"; op.version = 1; op.n_in = 1; op.n_out = 2;
    op.check = how == 1 ? NULL : two_check; op.forward = how == 2 ? two_fails : two_forward;
    if (how == 3) op.name = NULL;
    if (how == 4) op.n_in = 2;
    if (how == 5) op.flags = TG_OP_VIEW;
    return tg_call(&op, NULL, &x, 1, o->t) ? WORKED : REFUSED;
}
ROW(tg_tape_input) {
    tg_tape_entry e[4];
    tg_tensor *y = NULL;
    o->has_shape = o->has_from = true;
    if (how > 2) return NO_SUCH;
    memset(e, 0, sizeof e);
    if (x && x->alive && !tg_failed(x->tg)) y = tg_mul_scalar(tg_exp(tg_require_grad(x, true)), 2);
    if (!y || tg_tape(y, e, 4) < 3) return tg_tape_input(how == 1 ? NULL : &e[0], 0, &o->shape, &o->from) >= 0 ? WORKED : REFUSED;
    return tg_tape_input(how == 1 ? NULL : &e[0], how == 2 ? 9 : 0, &o->shape, &o->from) >= 0 ? WORKED : REFUSED;
}
ROW(tg_dict_raw_shape) {
    tg_dict *d = x && x->alive && !tg_failed(x->tg) ? tg_dict_new(x->tg) : NULL;
    o->has_shape = true;
    if (how > 1) { tg_dict_free(d); return NO_SUCH; }
    if (d && !tg_dict_set(d, "x", x)) { tg_dict_free(d); return REFUSED; }                /* the allocation failed before the call under test */
    if (d) { result r = tg_dict_raw_shape(d, how == 1 ? 5 : 0, &o->shape) > 0 ? WORKED : REFUSED; tg_dict_free(d); return r; }
    return tg_dict_raw_shape(NULL, 0, &o->shape) > 0 ? WORKED : REFUSED;
}
/* texts: whatever happens there is one, and it ends */
#define TEXT(name, call) ROW(name) { o->has_text = true; if (how > 0) return NO_SUCH; return (call) > 0 ? WORKED : REFUSED; }
static tg_tensor *called(tg_tensor *x) { return x && x->alive && !tg_failed(x->tg) ? tg_neg(tg_require_grad(x, true)) : x; }
TEXT(tg_traceback, tg_traceback(called(x) && x->alive ? x->tg : NULL, o->text, sizeof o->text))
TEXT(tg_format, tg_format(x, o->text, sizeof o->text))
TEXT(tg_format_line, tg_format_line(x, o->text, sizeof o->text))
TEXT(tg_format_stats, tg_format_stats(x, o->text, sizeof o->text))
TEXT(tg_tape_text, tg_tape_text(called(x), o->text, sizeof o->text))
TEXT(tg_tape_dot, tg_tape_dot(called(x), o->text, sizeof o->text))

typedef struct holder { tg_module m; tg_tensor *t; } holder;
static holder *holder_of(tg_tensor *x) {
    holder *h = x && x->alive && !tg_failed(x->tg) ? TG_MODULE(x->tg, holder, NULL) : NULL;
    if (h) h->t = &poison;
    return h;
}
ROW(tg_module_tensor) {
    holder *h = holder_of(x);
    tg_tensor *y = tg_module_tensor(h ? &h->m : NULL, h ? &h->t : NULL, how == 1 ? NULL : how == 2 ? "" : "a", true, how == 3 ? NULL : x);
    o->n_t = 1;
    o->t[0] = h ? h->t : NULL;
    if (h) tg_module_free(&h->m);
    return how > 3 ? NO_SUCH : y ? WORKED : REFUSED;
}
ROW(tg_parameters) {
    holder *h = holder_of(x);
    int64_t n;
    if (h) (void)TG_PARAM(h, t, x);
    n = tg_parameters(h ? &h->m : NULL, o->t, 1);
    o->n_t = 1;
    if (h) tg_module_free(&h->m);
    return how > 0 ? NO_SUCH : n ? WORKED : REFUSED;
}
static size_t module_text(tg_tensor *x, char *text, size_t size) {
    holder *h = holder_of(x);
    const size_t n = tg_module_format(h ? &h->m : NULL, text, size);
    if (h) tg_module_free(&h->m);
    return n;
}
ROW(tg_calculate_fans) {
    int64_t in = 77, out = 77;
    bool ok = tg_calculate_fans(how == 1 || !x || !x->alive ? x : tg_reshape(x, TG_SHAPE(1, -1)), &in, &out);
    CHECK(ok ? in == 3 && out == 1 : in == 0 && out == 0);
    return how > 1 ? NO_SUCH : ok ? WORKED : REFUSED;
}
TEXT(tg_module_format, module_text(x, o->text, sizeof o->text))
ROW(tg_forward_attention_from) {
    tg_module *m = x && x->alive && !tg_failed(x->tg) ? tg_nn_multihead_attention(x->tg, 1, 1) : NULL;
    tg_tensor *y = x && x->alive ? tg_reshape(x, TG_SHAPE(-1, 1)) : x;
    result got = tg_forward_attention(m, y, how == 1 ? NULL : how == 2 ? x : y, y, .weights = o->t) ? WORKED : REFUSED;
    o->n_t = 1;
    tg_module_free(m);
    return how > 2 ? NO_SUCH : got;
}
ROW(tg_forward_pool) {
    tg_module *m = x && x->alive && !tg_failed(x->tg) ? how == 3 ? tg_nn_relu(x->tg) : tg_nn_max_pool1d(x->tg, how == 1 ? 99 : 1) : NULL;
    tg_tensor *y = x && x->alive ? tg_reshape(x, TG_SHAPE(1, -1)) : x;
    result got = tg_forward_pool(how == 2 ? NULL : m, y, o->t) ? WORKED : REFUSED;
    o->n_t = 1;
    tg_module_free(m);
    return how > 3 ? NO_SUCH : got;
}
ROW(tg_forward_rnn_from) {
    tg_module *m = x && x->alive && !tg_failed(x->tg) ? tg_nn_lstm(x->tg, 1, 2) : NULL;
    tg_tensor *y = x && x->alive ? tg_reshape(x, TG_SHAPE(-1, 1)) : x;
    result got = tg_forward_rnn(m, how == 1 ? NULL : how == 2 ? x : y, .c_n = &o->t[1], .h_n = &o->t[0]) ? WORKED : REFUSED;
    o->n_t = 2;
    tg_module_free(m);
    return how > 2 ? NO_SUCH : got;
}
ROW(tg_fractional_max_pool2d_from) {
    tg_fractional_max_pool2d_args a;
    memset(&a, 0, sizeof a);
    a.x = longer(x, false); a.kernel[0] = how == 1 ? 99 : 1; a.output_size[0] = how == 2 ? -1 : 1; a.indices = o->t; o->n_t = 1;
    return how > 2 ? NO_SUCH : tg_fractional_max_pool2d_from(&a) ? WORKED : REFUSED;
}

ROW(tg_run_load) {
    holder *h = holder_of(x);
    tg_module *m = NULL;
    tg_dict *more = (tg_dict *)(void *)&poison;
    int64_t step = 77;
    bool ok;
    if (h) { (void)TG_PARAM(h, t, x); m = &h->m; }
    if (m) (void)tg_run_save(m, NULL, 5, NULL, "test_outputs.run");
    ok = tg_run_load(how == 1 ? NULL : m, NULL, &step, &more, how == 2 ? "no/such/file" : how == 3 ? NULL : "test_outputs.run");
    CHECK(ok ? step == 5 && more : step == 0 && !more);
    if (ok) tg_dict_free(more);
    tg_module_free(m);
    remove("test_outputs.run");
    return how > 3 ? NO_SUCH : ok ? WORKED : REFUSED;
}

#define R(name) { #name, name##_row }
static const row rows[] = {
    R(tg_run_load), R(tg_forward_attention_from), R(tg_forward_rnn_from), R(tg_forward_pool), R(tg_calculate_fans), R(tg_module_tensor), R(tg_parameters), R(tg_module_format), R(tg_fractional_max_pool2d_from),
    R(tg_multi_head_attention_forward_from), R(tg_lstm_from), R(tg_gru_from), R(tg_lstm_cell), R(tg_pad_packed_sequence), R(tg_nonzero_tuple), R(tg_unravel_index), R(tg_unique), R(tg_unique_dim), R(tg_unique_consecutive), R(tg_unique_consecutive_dim), R(tg_histogram), R(tg_mode), R(tg_dynamic_quantize_linear), R(tg_nanmedian_dim), R(tg_gradient_from),
    R(tg_grad_from), R(tg_vjp), R(tg_jvp), R(tg_hvp), R(tg_checkpoint), R(tg_vmap), R(tg_max_dim), R(tg_min_dim), R(tg_max_pool1d_from), R(tg_adaptive_max_pool1d), R(tg_adaptive_max_pool2d), R(tg_adaptive_max_pool3d), R(tg_sort), R(tg_cummax), R(tg_cummin), R(tg_split), R(tg_split_sizes), R(tg_meshgrid), R(tg_broadcast_tensors), R(tg_broadcast_shapes), R(tg_chunk), R(tg_unbind),
    R(tg_tensor_split), R(tg_hsplit), R(tg_vsplit), R(tg_dsplit), R(tg_tensor_split_at), R(tg_hsplit_at), R(tg_vsplit_at), R(tg_dsplit_at), R(tg_topk), R(tg_kthvalue), R(tg_median_dim), R(tg_aminmax), R(tg_var_mean), R(tg_std_mean), R(tg_call), R(tg_tape_input), R(tg_dict_raw_shape),
    R(tg_traceback), R(tg_format), R(tg_format_line), R(tg_format_stats), R(tg_tape_text), R(tg_tape_dot) };

/* Poisons, runs, and looks: after a refusal every output is empty, after a success none is poisoned. */
static result look(const row *r, tg_tensor *x, int how, const char *when) {
    outs o;
    result got;
    int i;
    memset(&o, 0, sizeof o);
    for (i = 0; i < OUTPUTS; i++) o.t[i] = &poison;
    o.shape = poison_shape; o.from = 77; memset(o.text, 'P', sizeof o.text);
    got = r->run(x, how, &o);
    if (got == NO_SUCH) return got;
    for (i = 0; i < o.n_t; i++)
        CHECK_MSG(got == WORKED ? o.t[i] && o.t[i] != &poison : !o.t[i], "%s, %s, mistake %d: output %d %s", r->name, when, how, i, o.t[i] == &poison ? "was not written" : o.t[i] ? "is left" : "is missing");
    if (o.has_shape) CHECK_MSG(got == WORKED ? o.shape && o.shape != poison_shape : !o.shape, "%s, %s, mistake %d: the shape was not written", r->name, when, how);
    if (o.has_from) CHECK_MSG(got == WORKED ? o.from != 77 : o.from == 0, "%s, %s, mistake %d: the number was not written", r->name, when, how);
    if (o.has_text) CHECK_MSG(memchr(o.text, 0, sizeof o.text) != NULL, "%s, %s: the text was not written", r->name, when);
    return got;
}

int main(void) {
    size_t k;
    for (k = 0; k < sizeof rows / sizeof *rows; k++) {
        const row *r = &rows[k];
        tg_ctx *tg = test_open();
        test_heap heap = TEST_HEAP;
        tg_tensor *x, *dead;
        tg_mark m;
        int how;
        CHECK_MSG(look(r, tg_ones(tg, TG_SHAPE(3)), RIGHT, "rightly") == WORKED, "%s does not work: %s", r->name, tg_error_text(tg));
        CHECK_OK(tg);
        for (how = 1; how <= MISTAKES; how++) {
            result got = look(r, tg_ones(tg, TG_SHAPE(3)), how, "a mistake");
            if (got == NO_SUCH) break;
            CHECK_MSG(got == REFUSED || strcmp(r->name, "tg_checkpoint") == 0, "%s: mistake %d went through", r->name, how);
            tg_clear(tg);
        }
        (void)look(r, NULL, RIGHT, "NULL");
        m = tg_begin(tg); dead = tg_ones(tg, TG_SHAPE(3)); tg_end(tg, m);
        (void)look(r, dead, RIGHT, "an ended operand");
        tg_clear(tg);
        x = tg_ones(tg, TG_SHAPE(3));
        (void)tg_view(x, TG_SHAPE(4));
        for (how = 0; how <= MISTAKES; how++) if (look(r, x, how, "a pending error") == NO_SUCH) break;
        CHECK_ERROR(tg, TG_ERROR_SHAPE);
        test_close(tg);
        for (heap.fail_at = 1; ; heap.fail_at++) {
            tg = test_open_heap(&heap);
            if (tg) {
                x = tg_ones(tg, TG_SHAPE(3));
                if (x) (void)look(r, x, RIGHT, "an allocation fails");
            }
            test_close(tg);
            if (!test_heap_ended(&heap)) break;
        }
    }
    return test_end("outputs");
}
