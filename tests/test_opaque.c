/* run.sh flags: -lm */
/* Tensors whose numbers do not stand at strides, given to every function that takes a tensor, at each of its operands in turn: block-quantised; row-sparse; inside tg_vmap, which stands for every
   example at once; escaped from a tg_vmap that has ended; of an outer tg_vmap, inside an inner one. A call either refuses it in the name of a function and changes nothing, or it is right: only where
   its row says so, or, inside tg_vmap, with results that are inside it too; and tg_vmap gives what the loop over examples gives. One row per call; tests/test_outlist.sh fails for a function without. */
#include "test.h"

enum { PLAIN, BLOCKS, SPARSE, MAPPED, ESCAPED, OUTER, OPAQUES, MOST = 3, EXAMPLES = 3 };
static const char *const opaque_names[OPAQUES] = { "plain", "block-quantised", "row-sparse", "inside tg_vmap", "escaped from tg_vmap", "of an outer tg_vmap" };

/* A call, and what came of it. `in`: a letter per operand, see whole(). `may`: the kinds it takes, as digits, where 3 is: though no result is inside tg_vmap; 0: it takes no plain ones;
   w: it writes operands; r: other values each time. */
typedef struct trial { const char *name, *in, *may; bool go, ok; tg_ctx *tg, *to; tg_tensor *const *o, *r[4]; int n; } trial;

/* ---- what the rows call ---- */
static tg_tensor *give(trial *c, tg_tensor *t) { c->r[c->n++] = t; return t; }
static bool curve(void *user, tg_tensor *const *x, int n, tg_tensor **y, int m) {
    (void)n;
    y[0] = user ? tg_mul(tg_square(x[0]), (tg_tensor *)user) : tg_square(x[0]);
    return y[0] && (m < 2 || (y[1] = tg_exp(x[0])) != NULL);
}
static tg_function_call call_of(tg_function f, void *user, tg_tensor *const *x, int n, int m) { tg_function_call c; c.f = f; c.user = user; c.inputs = x; c.n_inputs = n; c.n_outputs = m; return c; }
static tg_tensor *gives_hook(void *user, tg_tensor *g) { (void)g; return (tg_tensor *)user; }
static bool own_check(tg_ctx *tg, tg__node *n) { const tg_tensor *x = tg_node_in(n, 0); (void)tg; return tg_node_make(n, 0, TG_F32, x->ndim, x->shape); }
static bool own_forward(tg_ctx *tg, tg__node *n) { (void)tg; return tg_zero_(tg_node_out(n, 0)) != NULL; }
static bool own_vmap(tg_ctx *tg, const tg_op *op, const void *attr, tg_tensor *const *in, int n, unsigned mapped, tg_tensor **out) {
    (void)tg; (void)op; (void)attr; (void)n;
    return (out[0] = tg_zeros_like(in[mapped & 1u ? 0 : 1])) != NULL;
}
static tg_tensor *own(tg_tensor *const *o, unsigned flags, bool rule) {
    tg_op op;
    memset(&op, 0, sizeof op);
    op.name = "call"; op.version = 1; op.n_in = 2; op.n_out = 1; op.flags = flags; op.check = own_check; op.forward = own_forward; op.vmap = rule ? own_vmap : NULL;
    return tg_call(&op, NULL, o, 2, NULL);
}
static void *raw_alloc(void *user, void *stream, size_t n) { (void)user; (void)stream; return malloc(n + 1); }           /* a device of host memory that declines all work */
static void raw_release(void *user, void *stream, void *p, size_t n) { (void)user; (void)stream; (void)n; free(p); }
static bool raw_copy(void *user, void *stream, void *to, const void *from, size_t n) { (void)user; (void)stream; memcpy(to, from, n); return true; }
static tg_launch raw_launch(void *user, void *stream, const tg_request *r, const tg_operand *o, void *const *base) { (void)user; (void)stream; (void)r; (void)o; (void)base; return TG_LAUNCH_DECLINED; }
static bool no_file(void *user, const char *path, const void *const *parts, const size_t *sizes, int n) { (void)user; (void)path; (void)parts; (void)sizes; (void)n; return true; }
static bool in_dict(trial *c, int what) {                       /* taken, as bytes too; and what asks the dict for the numbers of what it took */
    tg_dict *d = tg_dict_new(c->tg);
    bool ok = what == 1 ? tg_dict_set_raw(d, "a", "F8_E4M3", TG_SHAPE(32), c->o[0]) : tg_dict_set(d, "a", c->o[0]);
    if (ok && what == 2) ok = tg_safetensors_bytes(d) && tg_safetensors_save(d, "none");
    if (ok && what == 3) ok = give(c, tg_dict_f32(d, 0)) != NULL;
    tg_dict_free(d);
    return ok;
}
static bool in_pieces(trial *c, int how) {
    tg_tensor *p[32];
    int i, n = how == 1 ? tg_split(c->o[0], 16, 0, p, 32) : how == 2 ? tg_split_sizes(c->o[0], TG_DIMS(2, 30), 0, p) : tg_meshgrid(c->o, 2, how == 4, p) ? 2 : 0;
    for (i = 0; i < 2; i++) if (CHECK(!p[i] == !n) && n) (void)give(c, p[i]);
    return n == 2;
}
static bool in_bytes(tg_tensor *t, int how) {
    const size_t size = how == 2 ? (size_t)t->numel * sizeof(float) : tg_dtype_bytes(t->dtype, t->numel);
    void *p = calloc(size + 1, 1);
    bool ok = how == 2 ? tg_read_f32(t, (float *)p, t->numel) : how == 1 ? tg_write(t, p, size) : tg_read(t, p, size);
    free(p);
    return ok;
}

/* ---- the rows: T gives a tensor, B is true, V is no error; N and X give a tensor of one operand x ---- */
#define ROW(f, operands, kinds, ...) if (k == at++) { c->name = #f; c->in = operands; c->may = kinds; if (c->go) { __VA_ARGS__; } return true; }
#define T(f, operands, kinds, ...) ROW(f, operands, kinds, c->ok = give(c, (__VA_ARGS__)) != NULL)
#define B(f, operands, kinds, ...) ROW(f, operands, kinds, c->ok = (__VA_ARGS__))
#define V(f, operands, kinds, ...) ROW(f, operands, kinds, (void)(__VA_ARGS__); c->ok = !tg_failed(c->tg))
#define N(f) ROW(f, "x", "", c->ok = give(c, (f)(o[0])) != NULL)
#define X(f, ...) ROW(f, "x", "", c->ok = give(c, (f)(o[0], __VA_ARGS__)) != NULL)
#define PUT_N1(n) , 0.5
#define PUT_N2(n, m) , 0.25, 0.75
#define TG_F1(f, types, ...) T(f, "x", "", (f)(o[0])) T(f##_, "x", "w", (f##_)(o[0]))
#define TG_F1P(f, numbers, types, ...) T(f, "x", "", (f)(o[0] PUT_##numbers)) T(f##_, "x", "w", (f##_)(o[0] PUT_##numbers))
#define TG_F2(f, types, ...) T(f, "xx", "", (f)(o[0], o[1])) T(f##_, "xx", "w", (f##_)(o[0], o[1])) T(f##_scalar, "x", "", (f##_scalar)(o[0], 0.5)) T(f##_scalar_, "x", "w", (f##_scalar_)(o[0], 0.5))
#define TG_F2P(f, numbers, types, ...) T(f, "xx", "", (f)(o[0], o[1] PUT_##numbers)) T(f##_, "xx", "w", (f##_)(o[0], o[1] PUT_##numbers))
#define TG_F3(f, types, ...) T(f, #types[1] == 'H' ? "bxx" : "xxx", "", (f)(o[0], o[1], o[2])) T(f##_, #types[1] == 'H' ? "bbb" : "xxx", "w", (f##_)(o[0], o[1], o[2]))
#define TG_F3P(f, numbers, types, ...) T(f, "xxx", "", (f)(o[0], o[1], o[2] PUT_##numbers)) T(f##_, "xxx", "w", (f##_)(o[0], o[1], o[2] PUT_##numbers))
static bool formula(int k, trial *c) {
    tg_tensor *const *o = c->o;
    int at = 0;
    T(tg_add, "sx", "", tg_add(o[0], o[1])) T(tg_sub, "xv", "", tg_sub(o[0], o[1])) T(tg_where, "bsv", "", tg_where(o[0], o[1], o[2]))      /* of other numbers of dimensions; 0-d ones promote less */
    T(tg_add, "xd", "", tg_add(o[0], o[1])) T(tg_mul, "ds", "", tg_mul(o[0], o[1])) T(tg_mul, "is", "", tg_mul(o[0], o[1])) T(tg_mul, "id", "", tg_mul(o[0], o[1]))
#define TG_W2(f, ...) T(f, "ii", "", (f)(o[0], o[1])) T(f##_, "ii", "w", (f##_)(o[0], o[1]))
#define TG_READ_ROWS
#include "../tensorgrad.h"
    return false;
}

static bool other(int k, trial *c) {
    static const int64_t zero[2] = { 0, 0 };
    tg_ctx *tg = c->tg;
    tg_tensor *const *o = c->o, *y = NULL, *z = NULL, *list[2] = { NULL, NULL };
    tg_function_call f = call_of(curve, NULL, o, 1, 1), g = call_of(curve, NULL, o, 1, 2);
    char text[4000];
    int at = 0;
    /* scopes, texts and questions */
    T(tg_end_with, "x", "12345", tg_end_with(tg, tg_begin(tg), o[0]))     T(tg_keep, "x", "12345", y = tg_keep(o[0]), tg_drop(y), y)      V(tg_drop, "x", "12345", tg_drop(tg_keep(o[0])), 0)
    V(tg_print, "x", "12345", tg_print(o[0]), 0)                          V(tg_show, "x", "12345", tg_show(o[0]), 0)                      B(tg_format, "x", "12345", tg_format(o[0], text, sizeof text) > 0)
    B(tg_format_line, "x", "12345", tg_format_line(o[0], text, sizeof text) > 0)                          B(tg_format_stats, "x", "12345", tg_format_stats(o[0], text, sizeof text) > 0)
    V(tg_is_contiguous, "x", "12345", tg_is_contiguous(o[0]))             V(tg_has_grad, "h", "12345", tg_has_grad(o[0]))                 V(tg_is_sparse, "x", "12345", tg_is_sparse(o[0]))
    V(tg_tape, "l", "12345", tg_tape(o[0], NULL, 0))      V(tg_tape_text, "l", "12345", tg_tape_text(o[0], text, sizeof text))       V(tg_tape_dot, "l", "12345", tg_tape_dot(o[0], text, sizeof text))
    /* created beside, looked at, copied */
    T(tg_empty_like, "x", "3r", tg_empty_like(o[0])) T(tg_zeros_like, "x", "3", tg_zeros_like(o[0])) T(tg_ones_like, "x", "3", tg_ones_like(o[0])) T(tg_full_like, "x", "3", tg_full_like(o[0], 2))
    T(tg_bernoulli, "x", "r", tg_bernoulli(o[0]))    T(tg_uniform_, "x", "wr", tg_uniform_(o[0], 0, 1)) T(tg_normal_, "x", "wr", tg_normal_(o[0], 0, 1)) T(tg_set_name, "x", "3", tg_set_name(o[0], "abc"))
    B(tg_item, "s", "", tg_item(o[0]) > 0)           V(tg_item_i64, "s", "", tg_item_i64(o[0]))      B(tg_get, "x", "", tg_get(o[0], zero) > 0)    B(tg_set, "x", "w", tg_set(o[0], zero, 2))
    B(tg_read, "x", "1", in_bytes(o[0], 0))          B(tg_read_f32, "x", "", in_bytes(o[0], 2))      B(tg_write, "x", "1w", in_bytes(o[0], 1))     T(tg_share, "x", "1", tg_share(c->to, o[0]))
    V(tg_equal, "xx", "", tg_equal(o[0], o[1])) V(tg_allclose, "xx", "", tg_allclose(o[0], o[1], 0, 0)) V(tg_equal, "x", "", tg_equal(o[0], o[0])) V(tg_allclose, "x", "", tg_allclose(o[0], o[0], 0, 0))
    T(tg_to, "x", "1", tg_to(o[0], TG_F32))          T(tg_to, "x", "1", tg_to(o[0], TG_F16))         T(tg_to, "x", "1", tg_to(o[0], TG_Q8_0))      T(tg_clone, "x", "1", tg_clone(o[0])) N(tg_detach)
    T(tg_copy_, "xx", "w", tg_copy_(o[0], o[1]))     T(tg_copy_, "x", "w", tg_copy_(o[0], o[0]))     B(tg_swap, "xx", "w", tg_swap(o[0], o[1]))    T(tg_contiguous, "x", "1", tg_contiguous(o[0]))
    T(tg_fill_, "x", "w", tg_fill_(o[0], 1)) T(tg_zero_, "x", "w", tg_zero_(o[0])) T(tg_to_device, "x", "1", tg_to_device(o[0], TG_CPU)) T(tg_to_device, "x", "1", tg_to_device(o[0], (tg_device)2))
    /* views, also those that change nothing */
    X(tg_view, TG_SHAPE(-1)) X(tg_reshape, TG_SHAPE(-1)) X(tg_reshape, TG_SHAPE(32, 32)) X(tg_flatten, 0, -1) X(tg_permute, TG_DIMS(1, 0)) X(tg_permute, TG_DIMS(0, 1)) X(tg_transpose, 0, 1)
    X(tg_transpose, 0, 0) N(tg_t) T(tg_t, "v", "", tg_t(o[0])) X(tg_expand, TG_SHAPE(2, 32, 32)) X(tg_expand, TG_SHAPE(-1, -1)) X(tg_squeeze, 0) X(tg_unsqueeze, 0) X(tg_select, 0, 0) X(tg_narrow, 0, 1, 2)
    X(tg_narrow, 0, 0, 32) X(tg_slice_dim, 0, 0, 9, 2) X(tg_slice, "1:3") X(tg_slice, "") X(tg_as_strided, TG_SHAPE(32), TG__DIMS(1), 0)
    /* the graph; what a function or a hook brings along is an operand too */
    T(tg_require_grad, "x", "w", tg_require_grad(o[0], true))  X(tg_require_grad, false)  T(tg_retain_grad, "l", "w", tg_retain_grad(o[0]))  T(tg_sparse_grad, "y", "w", tg_sparse_grad(o[0], true))
    T(tg_grad_of, "h", "", tg_grad_of(o[0]))  B(tg_zero_grad, "h", "w", tg_zero_grad(o[0]))  T(tg_sparse_rows, "x", "02", tg_sparse_rows(o[0]))  T(tg_sparse_values, "x", "02", tg_sparse_values(o[0]))
    T(tg_sparse_new, "ix", "", tg_sparse_new(o[0], o[1], 40))  T(tg_to_dense, "x", "12", tg_to_dense(o[0]))   B(tg_hook, "y", "w", tg_hook(o[0], gives_hook, NULL))
    B(tg_hook, "yx", "2w", tg_hook(o[0], gives_hook, o[1]) && tg_backward(tg_sum(tg_square(o[0]))))           B(tg_backward_from, "lx", "w", tg_backward(o[0], .gradient = o[1]))
    B(tg_grad_from, "lyx", "w", tg_grad(o, 1, o + 1, 1, &y, .allow_unused = true, .grad_outputs = o + 2))
    B(tg_grad_from, "xyx", "w", list[0] = tg_mul(o[0], o[1]), tg_grad(list, 1, o + 1, 1, &z, .allow_unused = true, .grad_outputs = o + 2))
    B(tg_vjp, "xx", "", tg_vjp(&f, o + 1, &y, &z) && give(c, y) && give(c, z))       B(tg_vjp, "xxx", "", f.user = o[2], tg_vjp(&f, o + 1, &y, &z) && give(c, y) && give(c, z))
    B(tg_jvp, "xx", "", tg_jvp(&f, o + 1, &y, &z) && give(c, y) && give(c, z))       B(tg_jvp, "xxx", "", f.user = o[2], tg_jvp(&f, o + 1, &y, &z) && give(c, y) && give(c, z))
    B(tg_hvp, "ss", "", tg_hvp(&f, o + 1, &y, &z) && give(c, y) && give(c, z))       B(tg_hvp, "sss", "", f.user = o[2], tg_hvp(&f, o + 1, &y, &z) && give(c, y) && give(c, z))
    T(tg_jacobian, "v", "", tg_jacobian(&f, 0, 0))                T(tg_jacobian, "vv", "", f.user = o[1], tg_jacobian(&f, 0, 0))
    B(tg_gradcheck_from, "v", "", tg_gradcheck(&f))               B(tg_gradcheck_from, "vv", "", f.user = o[1], tg_gradcheck(&f))
    B(tg_vmap, "x", "", tg_vmap(&f, &y) && give(c, y))            B(tg_vmap, "xx", "", f.user = o[1], tg_vmap(&f, &y) && give(c, y))
    B(tg_checkpoint, "x", "", tg_checkpoint(&f, &y) && give(c, y))  B(tg_checkpoint, "yx", "", f.user = o[1], tg_checkpoint(&f, &y) && give(c, y))
    B(tg_checkpoint, "x", "", tg_checkpoint(&g, list) && give(c, list[0]) && give(c, list[1]))
    /* reduce, shape, sort, index */
    N(tg_sum) N(tg_mean) N(tg_prod) N(tg_amax) N(tg_amin) N(tg_max) N(tg_min) N(tg_argmax) N(tg_argmin) N(tg_any) N(tg_all) N(tg_trace) T(tg_sum, "s", "", tg_sum(o[0])) T(tg_amax, "s", "", tg_amax(o[0]))
    X(tg_sum_dims, TG_DIMS(0), false) X(tg_mean_dims, TG_DIMS(0), false) X(tg_amax_dims, TG_DIMS(0), false) X(tg_amin_dims, TG_DIMS(0), false) X(tg_any_dims, TG_DIMS(0), false) X(tg_sort, 0, false, NULL)
    X(tg_all_dims, TG_DIMS(0), false) X(tg_prod_dim, 0, false) X(tg_argmax_dim, 0, false) X(tg_argmin_dim, 0, false) X(tg_var, 1) X(tg_var_dims, TG_DIMS(0), 1, false) X(tg_std, 1)
    X(tg_std_dims, TG_DIMS(0), 1, false) B(tg_max_dim, "x", "", give(c, tg_max_dim(o[0], 0, false, &y)) && give(c, y)) B(tg_min_dim, "x", "", give(c, tg_min_dim(o[0], 0, false, &y)) && give(c, y))
    B(tg_sort, "x", "", give(c, tg_sort(o[0], 0, true, &y)) && give(c, y))    T(tg_cat, "xx", "", tg_cat(o, 2, 0))    T(tg_cat, "x", "", tg_cat(o, 1, 0))    T(tg_stack, "xx", "", tg_stack(o, 2, 0))
    T(tg_stack, "x", "", tg_stack(o, 1, 0))    X(tg_flip, TG_DIMS(0))    X(tg_flip, 0, NULL)    X(tg_rot90, 1, 0, 1)    X(tg_rot90, 4, 0, 1)    T(tg_one_hot, "i", "", tg_one_hot(o[0], 32))
    B(tg_split, "x", "", in_pieces(c, 1))      B(tg_split_sizes, "x", "", in_pieces(c, 2))      B(tg_meshgrid, "vv", "", in_pieces(c, 3))      B(tg_meshgrid, "vv", "", in_pieces(c, 4))
    T(tg_index_select, "xi", "", tg_index_select(o[0], 0, o[1]))              T(tg_gather, "xg", "", tg_gather(o[0], 0, o[1]))        T(tg_index_add, "xix", "", tg_index_add(o[0], 0, o[1], o[2]))
    T(tg_scatter, "xgx", "", tg_scatter(o[0], 0, o[1], o[2]))                 T(tg_scatter_add, "xgx", "", tg_scatter_add(o[0], 0, o[1], o[2]))
    /* matrix, losses, random, operations of one's own, files */
    T(tg_matmul, "xx", "", tg_matmul(o[0], o[1]))  T(tg_matmul, "vx", "", tg_matmul(o[0], o[1]))  T(tg_linear, "xxv", "", tg_linear(o[0], o[1], o[2]))  T(tg_linear, "xx", "", tg_linear(o[0], o[1], NULL))
    T(tg_scaled_dot_product_attention_from, "xxx", "", tg_scaled_dot_product_attention(o[0], o[1], o[2]))
    T(tg_scaled_dot_product_attention_from, "xxb", "", tg_scaled_dot_product_attention(o[0], o[1], o[1], .attn_mask = o[2]))
    T(tg_conv2d_from, "cwv", "", tg_conv2d(o[0], o[1], o[2]))  T(tg_mse_loss, "xx", "", tg_mse_loss(o[0], o[1]))  T(tg_cross_entropy, "xi", "", tg_cross_entropy(o[0], o[1]))  X(tg_softmax, 0)
    X(tg_log_softmax, 0)  T(tg_dropout, "x", "r", tg_dropout(o[0], 0.5, true))  X(tg_dropout, 0.5, false)  X(tg_dropout, 0, true)  X(tg_dropout, 1, true)
    T(tg_call, "xx", "", own(o, 0, false))  T(tg_call, "xx", "", own(o, 0, true))  T(tg_call, "xx", "1", own(o, TG_OP_OPAQUE, false))  T(tg_call, "xx", "1", own(o, TG_OP_OPAQUE, true))
    B(tg_dict_set, "x", "1", in_dict(c, 0))  B(tg_dict_set, "x", "1", in_dict(c, 2))  B(tg_dict_set, "x", "1", in_dict(c, 3))  B(tg_dict_set_raw, "u", "", in_dict(c, 1))
    N(tg_npy_bytes)  B(tg_npy_save, "x", "", tg_npy_save(o[0], "none"))
    return false;
}

/* ---- operands: x y l h [32, 32]: y a leaf, l a result of the graph, h a leaf with a gradient; v s d: [32], [], [] of f64; i g: indices [32], [32, 32]; b u: bools, bytes; c w: images, a kernel.
   `lead` examples of them, or one without; `graph`: the floats are results of the graph. ---- */
static tg_tensor *whole(tg_ctx *tg, char letter, int lead, bool graph) {
    int64_t shape[5] = { 0, 32, 32, 1, 1 }, i;
    const int ndim = strchr("sd", letter) ? 0 : strchr("viu", letter) ? 1 : strchr("cw", letter) ? 4 : 2;
    tg_tensor *t;
    float *p;
    shape[0] = lead;
    if (ndim == 4) { shape[1] = letter == 'c' ? 2 : 32; shape[2] = 1; shape[4] = 32; }
    t = tg_empty(tg, lead ? ndim + 1 : ndim, lead ? shape : shape + 1, TG_F32);
    for (p = (float *)t->data, i = 0; i < t->numel; i++) p[i] = strchr("igb", letter) ? (float)(test_random() % (letter == 'b' ? 2 : 32)) : (float)test_uniform(0.1, 0.9);
    t = tg_to(t, strchr("ig", letter) ? TG_I64 : letter == 'b' ? TG_BOOL : letter == 'u' ? TG_U8 : letter == 'd' ? TG_F64 : TG_F32);
    if (letter == 'l' || (graph && strchr("xvsdcw", letter))) return tg_mul_scalar(tg_require_grad(t, true), 2);
    if (strchr("yh", letter)) (void)tg_require_grad(t, true);
    if (letter == 'h') (void)tg_backward(tg_sum(tg_square(t)));
    return t;
}
static bool keeps(void *user, tg_tensor *const *x, int n, tg_tensor **y, int m) { (void)n; (void)m; y[0] = x[0]; *(tg_tensor **)user = tg_keep(x[0]); return true; }
static tg_tensor *of_kind(tg_ctx *tg, int kind, char letter) {
    tg_tensor *t = whole(tg, letter, kind == ESCAPED ? EXAMPLES : 0, false), *made = NULL, *out;
    tg_function_call f = call_of(keeps, &made, &t, 1, 1);
    if (kind == BLOCKS) return tg_to(strchr("sd", letter) ? whole(tg, 'v', 0, false) : tg_to(tg_detach(t), TG_F32), TG_Q8_0);
    if (kind == SPARSE && t->ndim == 0) return tg_sparse_new(tg_to(tg_zeros(tg, TG_SHAPE(1)), TG_I64), tg_unsqueeze(t, 0), 1);
    if (kind == SPARSE) return tg_sparse_new(tg_arange(tg, 0, 2, 1, TG_I64), tg_narrow(tg_detach(t), 0, 0, 2), t->shape[0]);
    if (kind == ESCAPED) CHECK(tg_vmap(&f, &out));
    return kind == ESCAPED ? made : t;
}

/* ---- a call, and whether it was one of the two ---- */
typedef struct plan {
    trial c; int k, kind, at; bool (*rows)(int k, trial *c); bool judged, inside;
    tg_tensor *o[MOST], *in[MOST]; int n_in, lane[MOST];       /* lane: which input of the tg_vmap an operand is, or -1 */
} plan;
static const char *known[600];
static int n_known;
static uint64_t numbers_of_any(tg_tensor *t) {                /* the bytes, of all examples; of the rows, which they are */
    tg_tensor *of = t->opaque == TG__MAPPED ? t->inner : t;
    const int64_t n = t->opaque == TG__SPARSE ? t->numel / t->shape[0] * t->inner->numel : of->numel;
    uint64_t h = test_hash(0, of->place, tg_dtype_bytes(of->dtype, n));
    return t->opaque == TG__SPARSE ? test_hash(h, t->inner->data, (size_t)t->inner->numel * sizeof(int64_t)) : h;
}
static uint64_t header_of_any(tg_tensor *t) {
    const uint32_t v[] = { (uint32_t)t->ndim, (uint32_t)t->dtype, t->requires_grad, t->sparse_grad, t->opaque, t->alive, t->kept, t->storage->version, t->storage->shared != NULL, t->grad != NULL,
                           t->name != NULL };
    return test_hash(test_hash(0, v, sizeof v), t->shape, sizeof t->shape);
}
static bool names_function(const char *text) {
    const char *end = strstr(text, ": ");
    const size_t n = end ? (size_t)(end - text) : 0;
    int i;
    for (i = 0; i < n_known; i++) if (n && !strncmp(known[i] + 3, text, n) && (!known[i][3 + n] || !strcmp(known[i] + 3 + n, "_from"))) return true;
    return false;
}
static const char *error_of(const trial *c) { return tg_failed(c->tg) ? tg_error_text(c->tg) : tg_error_text(c->to); }
static bool run_row(plan *p, tg_tensor *const *o) { p->c.o = o; p->c.go = true; p->c.ok = false; p->c.n = 0; return p->rows(p->k, &p->c) && p->c.ok; }
static void judge(plan *p, tg_tensor *const *o) {
    trial *c = &p->c;
    uint64_t numbers[MOST], header[MOST];
    char say[200];
    int i, n = (int)strlen(c->in);
    for (i = 0; i < n; i++) { numbers[i] = numbers_of_any(o[i]); header[i] = header_of_any(o[i]); }
    (void)run_row(p, o);
    sprintf(say, "%s, operand %d of \"%s\" %s%s", c->name, p->at, c->in, opaque_names[p->kind], p->n_in > (p->kind == MAPPED) ? ", the others inside tg_vmap" : "");
    p->judged = true;
    p->inside = p->kind == MAPPED && c->n > 0;
    for (i = 0; i < c->n; i++) p->inside = p->inside && c->r[i] && c->r[i]->opaque == TG__MAPPED && c->r[i]->inner && c->r[i]->out_index == c->tg->lane;
    if (tg_failed(c->tg) || tg_failed(c->to)) {
        CHECK_MSG(!c->ok && names_function(error_of(c)), "%s: %s the error is: %s", say, c->ok ? "it works, and" : "of no function", error_of(c));
        for (i = 0; i < c->n; i++) CHECK_MSG(!c->r[i], "%s: result %d is left", say, i);
        for (i = 0; i < n; i++) CHECK_MSG(header[i] == header_of_any(o[i]), "%s: refused, but operand %d is another now", say, i);
    } else {
        CHECK_MSG(c->ok, "%s: neither a result nor an error", say);
        CHECK_MSG(p->inside || (p->kind == PLAIN ? !strchr(c->may, '0') : strchr(c->may, '0' + p->kind) != NULL), "%s: it is taken%s", say, p->kind == MAPPED ? ", and what it gives is not inside" : "");
        for (i = 0; i < c->n && p->kind == BLOCKS; i++) CHECK_MSG(!c->r[i] || !tg__is_block(c->r[i]->dtype) || numbers_of_any(c->r[i]) == numbers[p->at], "%s: other blocks come out", say);
    }
    for (i = 0; i < n; i++) CHECK_MSG((c->ok && strchr(c->may, 'w')) || numbers[i] == numbers_of_any(o[i]), "%s: the numbers of operand %d have changed", say, i);
}
/* the row inside a tg_vmap: judged, or for its results */
static void operands_of(const plan *p, tg_tensor *const *x, tg_tensor **o) { int i; for (i = 0; i < MOST; i++) o[i] = p->lane[i] >= 0 ? x[p->lane[i]] : p->o[i]; }
static bool inside(void *user, tg_tensor *const *x, int n, tg_tensor **y, int m) {
    plan *p = (plan *)user;
    tg_tensor *o[MOST];
    (void)n;
    operands_of(p, x, o);
    if (p->judged) return run_row(p, o) && memcpy(y, p->c.r, (size_t)m * sizeof *y) != NULL;
    judge(p, o);
    tg_clear(p->c.tg); tg_clear(p->c.to);
    return (y[0] = x[0]) != NULL;
}
static bool map_over(plan *p, int n_outputs, tg_tensor **out) {       /* those operands that are to be inside it, or something else */
    tg_tensor *some = tg_ones(p->c.tg, TG_SHAPE(EXAMPLES));
    tg_function_call c = call_of(inside, p, p->n_in ? p->in : &some, p->n_in ? p->n_in : 1, n_outputs);
    return tg_vmap(&c, out);
}
static bool map_inner(void *user, tg_tensor *const *x, int n, tg_tensor **y, int m) {
    plan *p = (plan *)user;
    (void)n; (void)m;
    p->o[p->at] = x[0];
    return map_over(p, 1, y) && (y[0] = x[0]) != NULL;
}
static void compare_loop(plan *p) {                           /* with the loop over examples */
    tg_tensor *out[4], *x[MOST], *o[MOST];
    const int n = p->c.n;
    int e, i;
    bool ok = map_over(p, n, out);
    CHECK_MSG(ok, "%s inside tg_vmap: %s", p->c.name, error_of(&p->c));
    for (e = 0; ok && e < EXAMPLES; e++) {
        for (i = 0; i < p->n_in; i++) x[i] = tg_clone(tg_select(p->in[i], 0, e));
        operands_of(p, x, o);
        ok = run_row(p, o) && p->c.n == n;
        CHECK_MSG(ok, "%s of one example: %s", p->c.name, error_of(&p->c));
        for (i = 0; ok && i < n; i++) {
            tg_tensor *a = tg_contiguous(tg_select(out[i], 0, e)), *b = tg_contiguous(p->c.r[i]);
            ok = a && b && a->ndim == b->ndim && a->dtype == b->dtype && !memcmp(a->shape, b->shape, (size_t)a->ndim * sizeof a->shape[0]) && numbers_of_any(a) == numbers_of_any(b);
            CHECK_MSG(ok, "%s, operand %d of \"%s\" inside tg_vmap: result %d of example %d, %s, is not what the loop gives, %s", p->c.name, p->at, p->c.in, i, e, a ? tg_dtype_name(a->dtype) : "none",
                      b ? tg_dtype_name(b->dtype) : "none");
        }
    }
}

/* Operand `at` of that kind, the others plain, or `beside`, inside a tg_vmap. True: taken. */
static bool try_row(plan *p, int kind, int at, bool beside, bool graph) {
    tg_ctx *tg = p->c.tg;
    const tg_memory_info was = tg_memory(tg);
    const uint32_t lane = tg->lane;
    tg_mark m = tg_begin(tg);
    tg_tensor *out, *outer;
    bool taken;
    int i, n = (int)strlen(p->c.in);
    p->kind = kind; p->at = at; p->n_in = 0; p->judged = false;
    for (i = 0; i < MOST; i++) {
        const char letter = i < n ? p->c.in[i] : 's';
        p->lane[i] = -1; p->o[i] = NULL;
        if (i < n && (i == at ? kind == MAPPED : beside)) { p->lane[i] = p->n_in; p->in[p->n_in++] = whole(tg, letter, EXAMPLES, graph); }
        else p->o[i] = i == at ? of_kind(tg, kind, letter) : whole(tg, letter, 0, false);
    }
    CHECK_OK(tg);
    if (kind == OUTER) {
        tg_function_call f = call_of(map_inner, p, &outer, 1, 1);
        outer = whole(tg, p->c.in[at], EXAMPLES, graph);
        CHECK(tg_vmap(&f, &out));
    } else if (p->n_in) CHECK(map_over(p, 1, &out)); else judge(p, p->o);
    taken = p->c.ok;
    if (taken && kind == MAPPED && p->c.n && (p->inside || strchr(p->c.may, '3')) && !strchr(p->c.may, 'r')) compare_loop(p);
    CHECK_MSG(p->judged && tg->lane == lane, "%s, operand %d %s: it was not called", p->c.name, at, opaque_names[kind]);
    tg_clear(tg); tg_clear(p->c.to);
    if (kind == ESCAPED) tg_drop(p->o[at]);
    tg_end(tg, m);
    CHECK_OK(tg);
    CHECK_MSG(tg_memory(tg).live_tensors == was.live_tensors && tg_memory(tg).live_nodes == was.live_nodes, "%s, operand %d %s: tensors or calls are left behind its scope",
              p->c.name, at, opaque_names[kind]);
    return taken;
}

int main(void) {
    static bool (*const lists[2])(int k, trial *c) = { formula, other };
    tg_backend raw;
    plan p;
    int l, kind, at;
    memset(&raw, 0, sizeof raw);
    raw.name = "raw"; raw.alloc = raw_alloc; raw.release = raw_release; raw.copy_in = raw.copy_out = raw_copy; raw.launch = raw_launch;
    memset(&p, 0, sizeof p);
    for (l = 0; l < 2; l++) for (p.k = 0; n_known < 600 && lists[l](p.k, &p.c); p.k++) known[n_known++] = p.c.name;
    CHECK(n_known > 300 && n_known < 600);
    for (l = 0; l < 2; l++) for (p.k = 0; p.c.go = false, lists[l](p.k, &p.c); p.k++) {
        test_heap heap = TEST_HEAP;
        tg_config config = test_config(&heap);
        config.no_cache = true; config.hooks.file_write = no_file;
        p.rows = lists[l]; p.c.tg = tg_open(&config); p.c.to = tg_open(&config);
        if (!CHECK(p.c.tg && p.c.to && strlen(p.c.in) <= MOST && tg_device_register(p.c.tg, (tg_device)2, &raw))) break;
        for (kind = 0; kind < OPAQUES; kind++) {
            bool taken = false;
            for (at = 0; at < (kind == PLAIN ? 1 : (int)strlen(p.c.in)); at++) {
                int how, ways = kind == PLAIN ? 1 : kind == MAPPED || kind == OUTER ? 4 : 2;       /* 1: the others inside a tg_vmap; 2: floats there are results of the graph */
                for (how = 0; how < ways; how++) if (!(how & 1) || p.c.in[1]) taken |= try_row(&p, kind, at, how & 1, how & 2);
            }
            CHECK_MSG(taken || (kind == PLAIN ? strchr(p.c.may, '0') != NULL : !strchr(p.c.may, '0' + kind)), "%s refuses what is %s; its row says that it may take it", p.c.name, opaque_names[kind]);
        }
        tg_close(p.c.to); tg_close(p.c.tg);
        (void)test_heap_ended(&heap);
    }
    return test_end("opaque");
}
