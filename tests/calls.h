/* How every function that takes tensors is called, once for all who go through them: tests/test_opaque.c gives tensors of odd kinds to each, tools/table.c asks what each can. A row names the function,
   its operands by letters (see whole() below), and what test_opaque.c may expect; tests/test_outlist.sh fails for a function without. Included behind test.h. */
enum { MOST = 16 };

/* The dtype of operands whose letters stand for floats, and of those that stand for whole numbers, and where the floats are drawn from: tools/table.c tries all. */
static tg_dtype floats_are = TG_F32, wholes_are = TG_I64;
static double floats_low = 0.1, floats_high = 0.9;
static double of_type(double number, double whole) { return tg_dtype_is_float(floats_are) ? number : whole; }

/* A call, and what came of it. `in`: a letter per operand, see whole(). `may`: the kinds it takes, as digits, where 3 is: though no result is inside tg_vmap; 0: it takes no plain ones;
   w: it writes operands; r: other values each time; e: not for tensors without elements. */
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
static bool cut(trial *c, int n, int want, tg_tensor **p) {       /* pieces: none where it fails */
    int i;
    for (i = 0; i < (want < 2 ? want : 2); i++) if (CHECK(!p[i] == !n) && n) (void)give(c, p[i]);
    return n == want;
}
static bool in_bytes(tg_tensor *t, int how) {
    const size_t size = how >= 2 ? (size_t)t->numel * sizeof(int64_t) : tg_dtype_bytes(t->dtype, t->numel);
    void *p = calloc(size + 1, 1);
    bool ok = how == 3 ? tg_read_i64(t, (int64_t *)p, t->numel) : how == 2 ? tg_read_f32(t, (float *)p, t->numel) : how == 1 ? tg_write(t, p, size) : tg_read(t, p, size);
    free(p);
    return ok;
}
static bool stepped(tg_tensor *const *p) {
    tg_optim *opt = tg_sgd(p, 1, 0.1);
    const bool ok = tg_optim_step(opt);
    tg_optim_free(opt);
    return ok;
}
/* rows of a dataset */
static bool batched(trial *c) {
    tg_data *d = tg_data_new(c->o, 1, 4, .weights = c->o[1]);
    tg_tensor *y = NULL;
    const bool ok = d && tg_batch(d, 0, &y) && give(c, y) != NULL;
    tg_data_free(d);
    return ok;
}
/* a parameter or buffer; and what goes through a module */
static bool in_module(trial *c, int how) {
    tg_ctx *tg = c->tg;
    tg_module *m = how == 2 || how == 7 || how == 10 ? tg_nn_relu(tg) : how == 8 ? tg_nn_bce_with_logits_loss(tg, .pos_weight = c->o[1], .weight = c->o[0]) : how == 3 || how == 12 ? tg_nn_linear(tg, 32, 32) : how == 9 ? tg_nn_max_pool1d(tg, 2) : how == 4 ? tg_nn_gru_cell(tg, 32, 32) : how == 5 ? tg_nn_multihead_attention(tg, 32, 2) :
        how == 6 ? tg_nn_transformer(tg, 32, 2, .decoder_layers = 1, .dim_feedforward = 8, .layers = 1) : tg_nn_list(tg);
    tg_forward_transformer_args a;
    tg_tensor *places = NULL;
    bool ok;
    memset(&a, 0, sizeof a);
    a.m = m; a.src = c->o[0];
    if (how == 6) { a.tgt = c->o[1]; a.src_mask = c->o[2]; a.memory_mask = c->o[3]; }
    tg_train(m, false);
    if (m && how > 3) tg_freeze(m, true);
    ok = how == 12 ? give(c, tg_functional_call(m, c->o, 2, c->o + 2, 1)) != NULL : how == 11 ? tg_nn_parameter(m, NULL, c->o[0]) != NULL : how == 10 ? tg_bake(m, c->o[0]) : how == 8 ? m != NULL : how == 9 ? give(c, tg_forward_pool(m, c->o[0], &places)) != NULL && give(c, places) != NULL : how == 7 ? give(c, tg_forward_of(m, c->o, 1)) != NULL : how == 1 ? tg_module_tensor(m, NULL, "t", false, c->o[0]) != NULL : how == 2 ? give(c, tg_forward(m, c->o[0])) != NULL : how == 3 ? tg_module_set(m, "weight", c->o[0]) :
        how == 4 ? give(c, tg_forward_rnn(m, c->o[0], .h0 = c->o[1])) != NULL : how == 5 ? give(c, tg_forward_attention(m, c->o[0], c->o[1], c->o[2])) != NULL :
        give(c, tg_forward_transformer_from(&a)) != NULL;
    tg_module_free(m);
    return ok;
}


/* ---- the rows: T gives a tensor, B is true, V is no error; N and X give a tensor of one operand x ---- */
#define ROW(f, operands, kinds, ...) if (k == at++) { c->name = #f; c->in = operands; c->may = kinds; if (c->go) { __VA_ARGS__; } return true; }
#define T(f, operands, kinds, ...) ROW(f, operands, kinds, c->ok = give(c, (__VA_ARGS__)) != NULL)
#define B(f, operands, kinds, ...) ROW(f, operands, kinds, c->ok = (__VA_ARGS__))
#define V(f, operands, kinds, ...) ROW(f, operands, kinds, (void)(__VA_ARGS__); c->ok = !tg_failed(c->tg))
#define N(f) ROW(f, "x", "", c->ok = give(c, (f)(o[0])) != NULL)
#define X(f, ...) ROW(f, "x", "", c->ok = give(c, (f)(o[0], __VA_ARGS__)) != NULL)
#define PUT_N1(n) , of_type(0.5, 2)
#define PUT_N2(n, m) , of_type(0.25, 1), of_type(0.75, 3)
#define TG_F1(f, types, ...) T(f, "x", "", (f)(o[0])) T(f##_, "x", "w", (f##_)(o[0]))
#define TG_F1P(f, numbers, types, ...) T(f, "x", "", (f)(o[0] PUT_##numbers)) T(f##_, "x", "w", (f##_)(o[0] PUT_##numbers))
#define TG_F2(f, types, ...) T(f, "xx", "", (f)(o[0], o[1])) T(f##_, "xx", "w", (f##_)(o[0], o[1])) T(f##_scalar, "x", "", (f##_scalar)(o[0], 0.5)) T(f##_scalar_, "x", "w", (f##_scalar_)(o[0], 0.5))
#define TG_F2P(f, numbers, types, ...) T(f, "xx", "", (f)(o[0], o[1] PUT_##numbers)) T(f##_, "xx", "w", (f##_)(o[0], o[1] PUT_##numbers))
#define TG_F3(f, types, ...) T(f, #types[1] == 'H' ? "bxx" : "xxx", "", (f)(o[0], o[1], o[2])) T(f##_, #types[1] == 'H' ? "bbb" : "xxx", "w", (f##_)(o[0], o[1], o[2]))
#define TG_F3P(f, numbers, types, ...) T(f, "xxx", "", (f)(o[0], o[1], o[2] PUT_##numbers)) T(f##_, "xxx", "w", (f##_)(o[0], o[1], o[2] PUT_##numbers))
static bool formula(int k, trial *c) {
    tg_tensor *const *o = c->o;
    int at = 0;
#define TG_W2(f, ...) T(f, "ii", "", (f)(o[0], o[1])) T(f##_, "ii", "w", (f##_)(o[0], o[1]))
#define TG_READ_ROWS
#include "../tensorgrad.h"
    return false;
}
/* formulas of operands that differ */
TEST_MAYBE bool mixed(int k, trial *c) {
    tg_tensor *const *o = c->o;
    int at = 0;
    T(tg_add, "sx", "", tg_add(o[0], o[1])) T(tg_sub, "xv", "", tg_sub(o[0], o[1])) T(tg_where, "bsv", "", tg_where(o[0], o[1], o[2]))      /* of other numbers of dimensions; 0-d ones promote less */
    T(tg_add, "xd", "", tg_add(o[0], o[1])) T(tg_mul, "ds", "", tg_mul(o[0], o[1])) T(tg_mul, "is", "", tg_mul(o[0], o[1])) T(tg_mul, "id", "", tg_mul(o[0], o[1]))
    return false;
}

static bool other(int k, trial *c) {
    static const int64_t zero[2] = { 0, 0 };
    tg_ctx *tg = c->tg;
    tg_tensor *const *o = c->o, *y = NULL, *z = NULL, *list[2] = { NULL, NULL };
    tg_function_call f = call_of(curve, NULL, o, 1, 1), g = call_of(curve, NULL, o, 1, 2);
    tg_packed_sequence p;
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
    B(tg_read, "x", "1", in_bytes(o[0], 0))          B(tg_read_f32, "x", "", in_bytes(o[0], 2))      B(tg_read_i64, "x", "", in_bytes(o[0], 3))      B(tg_write, "x", "1w", in_bytes(o[0], 1))     T(tg_share, "x", "1", tg_share(c->to, o[0]))
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
    X(tg_cumsum, 0) X(tg_cumprod, 0) X(tg_logcumsumexp, 0) T(tg_cumsum_, "x", "w", tg_cumsum_(o[0], 0)) T(tg_cumprod_, "x", "w", tg_cumprod_(o[0], 0)) T(tg_linear_scan, "xx", "", tg_linear_scan(o[0], o[1], 0))
    B(tg_cummax, "x", "", give(c, tg_cummax(o[0], 0, &y)) && give(c, y)) B(tg_cummin, "x", "", give(c, tg_cummin(o[0], 0, &y)) && give(c, y))
    B(tg_sort, "x", "", give(c, tg_sort(o[0], 0, true, &y)) && give(c, y))    T(tg_cat, "xx", "", tg_cat(o, 2, 0))    T(tg_cat, "x", "", tg_cat(o, 1, 0))    T(tg_stack, "xx", "", tg_stack(o, 2, 0))
    T(tg_stack, "x", "", tg_stack(o, 1, 0))    X(tg_flip, TG_DIMS(0))    X(tg_flip, 0, NULL)    X(tg_rot90, 1, 0, 1)    X(tg_rot90, 4, 0, 1)    T(tg_one_hot, "i", "", tg_one_hot(o[0], 32))
    B(tg_split, "x", "e", in_pieces(c, 1))      B(tg_split_sizes, "x", "", in_pieces(c, 2))      B(tg_meshgrid, "vv", "3", in_pieces(c, 3))      B(tg_meshgrid, "vv", "3", in_pieces(c, 4))
    T(tg_index_select, "xi", "", tg_index_select(o[0], 0, o[1]))              T(tg_gather, "xg", "", tg_gather(o[0], 0, o[1]))        T(tg_index_add, "xix", "", tg_index_add(o[0], 0, o[1], o[2]))
    T(tg_scatter, "xgx", "", tg_scatter(o[0], 0, o[1], o[2]))                 T(tg_scatter_add, "xgx", "", tg_scatter_add(o[0], 0, o[1], o[2]))
    T(tg_xavier_uniform_, "x", "wr", tg_xavier_uniform_(o[0], 1)) T(tg_xavier_normal_, "x", "wr", tg_xavier_normal_(o[0], 1)) T(tg_kaiming_uniform_, "x", "wr", tg_kaiming_uniform_(o[0], 1, false))
    T(tg_kaiming_normal_, "x", "wr", tg_kaiming_normal_(o[0], 1, true)) T(tg_eye_, "x", "w", tg_eye_(o[0])) T(tg_dirac_, "J", "w", tg_dirac_(o[0], 2)) B(tg_calculate_fans, "x", "3", tg_calculate_fans(o[0], NULL, NULL))
    T(tg_trunc_normal_, "x", "wr", tg_trunc_normal_(o[0], 0, 1, -2, 2)) T(tg_orthogonal_, "x", "wr", tg_orthogonal_(o[0], 1)) T(tg_sparse_, "x", "wr", tg_sparse_(o[0], 0.5, 1))
    B(tg_forward_of, "x", "", in_module(c, 7)) B(tg_forward_pool, "x", "e", in_module(c, 9)) B(tg_nn_loss_from, "xx", "1", in_module(c, 8)) B(tg_bake, "x", "", in_module(c, 10)) B(tg_functional_call, "xvx", "1", in_module(c, 12))
    B(tg_module_tensor, "x", "1", in_module(c, 1)) B(tg_nn_parameter, "x", "1", in_module(c, 11)) B(tg_forward, "x", "", in_module(c, 2)) B(tg_module_set, "x", "1", in_module(c, 3))
    B(tg_forward_rnn_from, "xx", "r", in_module(c, 4)) B(tg_forward_attention_from, "xxx", "re", in_module(c, 5))
    B(tg_forward_transformer_from, "xxbb", "re", in_module(c, 6)) T(tg_module_leave, "x", "12345", tg_module_leave(NULL, 0, o[0]))
    /* whole numbers with scales */
    T(tg_quantize_linear_from, "xs", "", tg_quantize_linear(o[0], o[1])) T(tg_dequantize_linear_from, "us", "", tg_dequantize_linear(o[0], o[1]))
    B(tg_dynamic_quantize_linear, "x", "", give(c, tg_dynamic_quantize_linear(o[0], &y, &z)) && give(c, y) && give(c, z))
    T(tg_matmul_integer, "uuuu", "", tg_matmul_integer(o[0], o[1], tg_select(o[2], 0, 0), tg_select(o[3], 0, 0)))
    T(tg_qlinear_matmul, "usuususu", "", tg_qlinear_matmul(o[0], o[1], tg_select(o[2], 0, 0), o[3], o[4], tg_select(o[5], 0, 0), o[6], tg_select(o[7], 0, 0)))
    T(tg_fake_quantize_per_tensor_affine, "x", "", tg_fake_quantize_per_tensor_affine(o[0], 0.1, 0, 0, 255))
    T(tg_fake_quantize_per_channel_affine, "xvi", "", tg_fake_quantize_per_channel_affine(o[0], o[1], o[2], 1, 0, 255))
    /* optimisers: gradients may be row-sparse, parameters may not */
    B(tg_optim_from, "h", "w", stepped(o))  B(tg_clip_grad_norm_from, "h", "w1", tg_clip_grad_norm_(o, 1, 1) >= 0)  B(tg_clip_grad_value_, "h", "w1", tg_clip_grad_value_(o, 1, 0.1))
    B(tg_ema_, "xx", "w", tg_ema_(o, o + 1, 1, 0.5))
    B(tg_data_from, "xv", "e", batched(c))
    /* matrix, losses, random, operations of one's own, files */
    T(tg_matmul, "xx", "", tg_matmul(o[0], o[1]))  T(tg_matmul, "vx", "", tg_matmul(o[0], o[1]))  T(tg_linear, "xxv", "1", tg_linear(o[0], o[1], o[2]))  T(tg_linear, "xx", "1", tg_linear(o[0], o[1], NULL))
    T(tg_cumulative_trapezoid, "xx", "", tg_cumulative_trapezoid(o[0], o[1], 1, 0))
    T(tg_max_pool1d_from, "x", "", tg_max_pool1d(o[0], .kernel = {2})) T(tg_max_pool2d_from, "c", "", tg_max_pool2d(o[0], .kernel = {1, 2})) T(tg_max_pool3d_from, "c", "", tg_max_pool3d(o[0], .kernel = {1}))
    T(tg_avg_pool1d_from, "x", "", tg_avg_pool1d(o[0], .kernel = {2})) T(tg_avg_pool2d_from, "c", "", tg_avg_pool2d(o[0], .kernel = {1, 2})) T(tg_avg_pool3d_from, "c", "", tg_avg_pool3d(o[0], .kernel = {1}))
    T(tg_lp_pool1d_from, "x", "", tg_lp_pool1d(o[0], .kernel = {2}, .p = 2)) T(tg_lp_pool2d_from, "c", "", tg_lp_pool2d(o[0], .kernel = {1, 2}, .p = 2)) T(tg_lp_pool3d_from, "c", "", tg_lp_pool3d(o[0], .kernel = {1}, .p = 2))
    X(tg_adaptive_avg_pool1d, TG_SHAPE(2)) T(tg_adaptive_avg_pool2d, "c", "", tg_adaptive_avg_pool2d(o[0], TG_SHAPE(2, 2))) T(tg_adaptive_avg_pool3d, "c", "", tg_adaptive_avg_pool3d(o[0], TG_SHAPE(1)))
    B(tg_adaptive_max_pool1d, "x", "", give(c, tg_adaptive_max_pool1d(o[0], TG_SHAPE(2), &y)) && give(c, y)) B(tg_adaptive_max_pool2d, "c", "", give(c, tg_adaptive_max_pool2d(o[0], TG_SHAPE(2, 2), &y)) && give(c, y))
    B(tg_adaptive_max_pool3d, "c", "", give(c, tg_adaptive_max_pool3d(o[0], TG_SHAPE(1), &y)) && give(c, y))
    T(tg_fractional_max_pool2d_from, "cJ", "", tg_fractional_max_pool2d(o[0], .kernel = {1}, .output_size = {1}, .samples = tg_sigmoid(tg_narrow(o[1], 2, 0, 2))))
    T(tg_fractional_max_pool3d_from, "PJ", "", tg_fractional_max_pool3d(o[0], .kernel = {1}, .output_size = {1}, .samples = tg_sigmoid(tg_narrow(o[1], 2, 0, 3))))
    T(tg_max_unpool1d_from, "xg", "", tg_max_unpool1d(o[0], o[1], .kernel = {2})) T(tg_max_unpool2d_from, "cp", "", tg_max_unpool2d(o[0], o[1], .kernel = {2})) T(tg_max_unpool3d_from, "cp", "", tg_max_unpool3d(o[0], o[1], .kernel = {2}))
    T(tg_conv1d_from, "JHv", "", tg_conv1d(o[0], o[1], o[2]))  T(tg_conv3d_from, "PRv", "", tg_conv3d(o[0], o[1], o[2]))  T(tg_conv1d_from, "JHv", "", tg_conv1d(o[0], o[1], o[2], .same = true))
    T(tg_conv_transpose1d_from, "xHv", "", tg_conv_transpose1d(o[0], o[1], o[2], .groups = 32))  T(tg_conv_transpose2d_from, "Hwv", "", tg_conv_transpose2d(o[0], o[1], o[2], .groups = 32))
    T(tg_conv_transpose3d_from, "wRv", "", tg_conv_transpose3d(o[0], o[1], o[2], .groups = 32))
    T(tg_dropout1d, "x", "r", tg_dropout1d(o[0], 0.5, true))  T(tg_dropout2d, "x", "r", tg_dropout2d(o[0], 0.5, true))  T(tg_dropout3d, "x", "r", tg_dropout3d(o[0], 0.5, true))
    T(tg_gumbel_softmax, "x", "re", tg_gumbel_softmax(o[0], 0.7, true, -1)) T(tg_alpha_dropout, "x", "r", tg_alpha_dropout(o[0], 0.5, true))  T(tg_feature_alpha_dropout, "x", "r", tg_feature_alpha_dropout(o[0], 0.5, true))
    T(tg_scaled_dot_product_attention_from, "xxx", "", tg_scaled_dot_product_attention(o[0], o[1], o[2]))
    T(tg_scaled_dot_product_attention_from, "xxb", "", tg_scaled_dot_product_attention(o[0], o[1], o[1], .attn_mask = o[2]))
    T(tg_conv2d_from, "cwv", "", tg_conv2d(o[0], o[1], o[2]))  T(tg_mse_loss, "xx", "", tg_mse_loss(o[0], o[1]))  T(tg_cross_entropy, "xi", "", tg_cross_entropy(o[0], o[1]))  X(tg_softmax, 0)
    X(tg_log_softmax, 0)  T(tg_dropout, "x", "r", tg_dropout(o[0], 0.5, true))  X(tg_dropout, 0.5, false)  X(tg_dropout, 0, true)  X(tg_dropout, 1, true)
    T(tg_call, "xx", "e", own(o, 0, false))  T(tg_call, "xx", "e", own(o, 0, true))  T(tg_call, "xx", "1e", own(o, TG_OP_OPAQUE, false))  T(tg_call, "xx", "1e", own(o, TG_OP_OPAQUE, true))
    T(tg_interpolate_from, "c", "", tg_interpolate(o[0], .size = {2, 5}))     T(tg_grid_sample_from, "cc", "", tg_grid_sample(o[0], tg_reshape(o[1], TG_SHAPE(2, 16, 1, 2))))
    T(tg_affine_grid, "v", "", tg_affine_grid(tg_reshape(tg_narrow(o[0], 0, 0, 6), TG_SHAPE(1, 2, 3)), TG_SHAPE(1, 1, 2, 2), false))
    T(tg_roi_align_from, "cx", "", tg_roi_align(o[0], tg_narrow(o[1], 1, 0, 5), .output_size = {1, 2}))    T(tg_nms, "xv", "", tg_nms(tg_narrow(o[0], 1, 0, 4), o[1], 0.5))
    B(tg_dict_set, "x", "1", in_dict(c, 0))  B(tg_dict_set, "x", "1", in_dict(c, 2))  B(tg_dict_set, "x", "1", in_dict(c, 3))  B(tg_dict_set_raw, "u", "", in_dict(c, 1))
    /* recurrence */
    T(tg_rnn_tanh_cell, "xxxxvv", "", tg_rnn_tanh_cell(o[0], o[1], o[2], o[3], o[4], o[5]))  T(tg_rnn_relu_cell, "xxxxvv", "", tg_rnn_relu_cell(o[0], o[1], o[2], o[3], o[4], o[5]))
    T(tg_gru_cell, "xxKKQQ", "", tg_gru_cell(o[0], o[1], o[2], o[3], o[4], o[5]))
    B(tg_lstm_cell, "xxxMMNN", "", give(c, tg_lstm_cell(o[0], o[1], o[2], o[3], o[4], o[5], o[6], &y)) && give(c, y))
    B(tg_lstm_from, "xAAMMNN", "", give(c, tg_lstm(o[0], o[1], o[2], o + 3, 4, .h_n = &y, .c_n = &z)) && give(c, y) && give(c, z))
    B(tg_gru_from, "xAKKQQ", "", give(c, tg_gru(o[0], o[1], o + 2, 4, .h_n = &y)) && give(c, y))
    T(tg_rnn_tanh_from, "xAxxvv", "", tg_rnn_tanh(o[0], o[1], o + 2, 4))  T(tg_rnn_relu_from, "xAxxvv", "", tg_rnn_relu(o[0], o[1], o + 2, 4))
    B(tg_pack_padded_sequence, "xE", "3", tg_pack_padded_sequence(o[0], o[1], true, false, &p) && give(c, p.data) && give(c, p.unsorted_indices))
    B(tg_pad_packed_sequence, "x", "", memset(&p, 0, sizeof p), p.batch_sizes = tg_full(tg, TG_SHAPE(32), 1, TG_I64), give(c, tg_pad_packed_sequence(o[0], &p, false, 0, 0, &y)) && y)
    N(tg_npy_bytes)  B(tg_npy_save, "x", "", tg_npy_save(o[0], "none"))
    return false;
}

/* what is made of other functions */
static bool made(int k, trial *c) {
    static const int64_t zero[1] = { 0 };
    tg_tensor *const *o = c->o, *y = NULL, *z = NULL, *p[40];
    int at = 0;
    memset(p, 0, sizeof p);
    /* elementwise */
    T(tg_clamp_tensor, "xxx", "", tg_clamp_tensor(o[0], o[1], o[2])) T(tg_clamp_tensor, "xv", "", tg_clamp_tensor(o[0], NULL, o[1])) X(tg_round_decimals, 1) T(tg_float_power, "xs", "", tg_float_power(o[0], o[1]))
    T(tg_logaddexp2, "xx", "", tg_logaddexp2(o[0], o[1])) N(tg_deg2rad) N(tg_rad2deg) X(tg_nan_to_num, 0, 1, 2) T(tg_heaviside, "xx", "", tg_heaviside(o[0], o[1])) N(tg_signbit) T(tg_bitwise_not, "i", "", tg_bitwise_not(o[0]))
    T(tg_isclose, "xx", "", tg_isclose(o[0], o[1], 1e-5, 1e-8, true)) N(tg_relu6) N(tg_selu) X(tg_celu, 0.5) N(tg_softsign) N(tg_tanhshrink) T(tg_prelu, "xv", "", tg_prelu(o[0], o[1])) T(tg_prelu, "xs", "", tg_prelu(o[0], o[1]))
    T(tg_rrelu, "x", "r", tg_rrelu(o[0], 0.1, 0.2, true)) X(tg_rrelu, 0.1, 0.2, false) X(tg_glu, -1) X(tg_softmin, 0)
    /* norms and statistics */
    T(tg_batch_norm, "xvvvv", "w", tg_batch_norm(o[0], o[1], o[2], o[3], o[4], true, 0.1, 1e-5)) T(tg_batch_norm, "xvv", "", tg_batch_norm(o[0], o[1], o[2], NULL, NULL, false, 0.1, 1e-5)) T(tg_batch_norm, "x", "", tg_batch_norm(o[0], NULL, NULL, NULL, NULL, true, 0.1, 1e-5))
    T(tg_instance_norm, "kvvvv", "w", tg_instance_norm(o[0], o[1], o[2], o[3], o[4], true, 0.1, 1e-5)) T(tg_layer_norm, "xvv", "", tg_layer_norm(o[0], TG_SHAPE(32), o[1], o[2], 1e-5)) T(tg_rms_norm, "xv", "", tg_rms_norm(o[0], TG_SHAPE(32), o[1], 1e-5))
    T(tg_group_norm, "xvv", "", tg_group_norm(o[0], 4, o[1], o[2], 1e-5)) T(tg_local_response_norm, "k", "", tg_local_response_norm(o[0], 2, 1e-4, 0.75, 1)) X(tg_logsumexp, TG_DIMS(0), false) X(tg_norm, 2, 0, NULL, false) T(tg_dist, "xx", "", tg_dist(o[0], o[1], 2)) X(tg_renorm, 2, 0, 1)
    X(tg_count_nonzero, TG_DIMS(0)) X(tg_nansum, TG_DIMS(0), false) X(tg_nanmean, TG_DIMS(0), false) B(tg_aminmax, "x", "", tg_aminmax(o[0], TG_DIMS(0), false, &y, &z) && give(c, y) && give(c, z))
    B(tg_var_mean, "x", "", tg_var_mean(o[0], TG_DIMS(0), 1, false, &y, &z) && give(c, y) && give(c, z)) B(tg_std_mean, "x", "", tg_std_mean(o[0], TG_DIMS(0), 1, false, &y, &z) && give(c, y) && give(c, z)) N(tg_median)
    B(tg_median_dim, "x", "", give(c, tg_median_dim(o[0], 0, false, &y)) && give(c, y)) T(tg_diff, "xxx", "", tg_diff(o[0], 1, 0, o[1], o[2])) X(tg_diff, 0, 0, NULL, NULL) T(tg_trapezoid, "xv", "", tg_trapezoid(o[0], o[1], 1, 0)) X(tg_trapezoid, NULL, 1, 0)
    /* picking */
    T(tg_masked_fill, "xb", "", tg_masked_fill(o[0], o[1], 2)) T(tg_index_fill, "xi", "", tg_index_fill(o[0], 0, o[1], 2)) T(tg_index_copy, "xix", "", tg_index_copy(o[0], 0, o[1], o[2])) T(tg_take, "xi", "", tg_take(o[0], o[1]))
    T(tg_take_along_dim, "xg", "", tg_take_along_dim(o[0], o[1], 0)) B(tg_topk, "x", "", give(c, tg_topk(o[0], 3, 0, true, &y)) && give(c, y)) B(tg_kthvalue, "x", "", give(c, tg_kthvalue(o[0], 3, 0, false, &y)) && give(c, y)) T(tg_embedding_from, "ix", "1", tg_embedding(o[0], o[1], .padding_idx = TG_IS(3)))
    /* products and distances */
    T(tg_mm, "xx", "", tg_mm(o[0], o[1])) T(tg_bmm, "kk", "", tg_bmm(o[0], o[1])) T(tg_mv, "xv", "", tg_mv(o[0], o[1])) T(tg_dot, "vv", "", tg_dot(o[0], o[1])) T(tg_vdot, "vv", "", tg_vdot(o[0], o[1])) T(tg_outer, "vv", "", tg_outer(o[0], o[1]))
    T(tg_inner, "xx", "", tg_inner(o[0], o[1])) T(tg_vecdot, "xx", "", tg_vecdot(o[0], o[1], -1)) T(tg_addmm, "xxx", "", tg_addmm(o[0], o[1], o[2], 1, 2)) T(tg_addmm, "xxx", "3", tg_addmm(o[0], o[1], o[2], 0, 1)) T(tg_addmm_, "xxx", "w", tg_addmm_(o[0], o[1], o[2], 1, 2))
    T(tg_addmv, "vxv", "", tg_addmv(o[0], o[1], o[2], 1, 2)) T(tg_addmv_, "vxv", "w", tg_addmv_(o[0], o[1], o[2], 1, 2)) T(tg_addr, "xvv", "", tg_addr(o[0], o[1], o[2], 1, 2)) T(tg_addr_, "xvv", "w", tg_addr_(o[0], o[1], o[2], 1, 2))
    T(tg_baddbmm, "kkk", "", tg_baddbmm(o[0], o[1], o[2], 1, 2)) T(tg_baddbmm_, "kkk", "w", tg_baddbmm_(o[0], o[1], o[2], 1, 2)) T(tg_addbmm, "xkk", "", tg_addbmm(o[0], o[1], o[2], 1, 2)) T(tg_addbmm_, "xkk", "w", tg_addbmm_(o[0], o[1], o[2], 1, 2))
    T(tg_einsum, "xxx", "", tg_einsum("ij,jk,kl->il", o, 3)) T(tg_einsum, "x", "", tg_einsum("ij->ji", o, 1)) T(tg_einsum, "xv", "", tg_einsum("ij,j->ij", o, 2)) T(tg_tensordot, "xx", "", tg_tensordot(o[0], o[1], 1)) T(tg_tensordot, "vv", "", tg_tensordot(o[0], o[1], 0))
    T(tg_tensordot_dims, "xx", "", tg_tensordot_dims(o[0], o[1], TG_DIMS(0), TG_DIMS(1))) T(tg_multi_dot, "xxv", "", tg_multi_dot(o, 3)) X(tg_matrix_power, 3) X(tg_matrix_power, 1) X(tg_matrix_power, 0) N(tg_matrix_exp) T(tg_kron, "vx", "", tg_kron(o[0], o[1]))
    T(tg_cross, "tt", "", tg_cross(o[0], o[1])) T(tg_cross_dim, "tt", "", tg_cross_dim(o[0], o[1], 0)) T(tg_linalg_vander, "v", "", tg_linalg_vander(o[0], 3)) T(tg_cov_from, "x", "", tg_cov(o[0])) T(tg_cov_from, "xvi", "", tg_cov(o[0], .aweights = o[1], .fweights = o[2])) N(tg_corrcoef)
    T(tg_cdist, "xx", "", tg_cdist(o[0], o[1], 2, TG_CDIST_AUTO)) T(tg_cdist, "xx", "", tg_cdist(o[0], o[1], 1, TG_CDIST_AUTO)) T(tg_pairwise_distance, "xx", "", tg_pairwise_distance(o[0], o[1], 2, 1e-6, false)) T(tg_cosine_similarity, "xx", "", tg_cosine_similarity(o[0], o[1], 1, 1e-8))
    X(tg_normalize, 2, 1, 1e-12) T(tg_bilinear, "xxk", "", tg_bilinear(o[0], o[1], o[2], NULL)) T(tg_bilinear, "xxka", "", tg_bilinear(o[0], o[1], o[2], o[3])) X(tg_pdist, 2)
    /* arranging */
    X(tg_repeat, TG_DIMS(2, 1)) X(tg_repeat, TG_DIMS(1, 1)) X(tg_tile, TG_DIMS(2)) T(tg_repeat_interleave, "xi", "", tg_repeat_interleave(o[0], tg_sum(o[1]))) T(tg_repeat_interleave_dim, "xi", "", tg_repeat_interleave_dim(o[0], o[1], 0))
    X(tg_roll, TG_DIMS(1), TG_DIMS(0)) X(tg_roll, TG_DIMS(0), TG_DIMS(0)) N(tg_fliplr) N(tg_flipud)
    B(tg_chunk, "x", "", cut(c, tg_chunk(o[0], 2, 0, p, 40), 2, p)) B(tg_chunk, "x", "", cut(c, tg_chunk(o[0], 1, 0, p, 40), 1, p)) B(tg_unbind, "x", "e", cut(c, tg_unbind(o[0], 0, p, 40), 32, p)) B(tg_tensor_split, "x", "", cut(c, tg_tensor_split(o[0], 3, 0, p), 3, p))
    B(tg_tensor_split_at, "x", "", cut(c, tg_tensor_split_at(o[0], TG_DIMS(2, 9), 0, p), 3, p)) B(tg_hsplit, "x", "", cut(c, tg_hsplit(o[0], 2, p), 2, p)) B(tg_hsplit_at, "x", "", cut(c, tg_hsplit_at(o[0], TG_DIMS(3), p), 2, p)) B(tg_vsplit, "x", "", cut(c, tg_vsplit(o[0], 2, p), 2, p))
    B(tg_vsplit_at, "x", "", cut(c, tg_vsplit_at(o[0], TG_DIMS(3), p), 2, p)) B(tg_dsplit, "k", "", cut(c, tg_dsplit(o[0], 2, p), 2, p)) B(tg_dsplit_at, "k", "", cut(c, tg_dsplit_at(o[0], TG_DIMS(3), p), 2, p))
    T(tg_hstack, "xx", "", tg_hstack(o, 2)) T(tg_vstack, "xv", "", tg_vstack(o, 2)) T(tg_dstack, "xx", "", tg_dstack(o, 2)) T(tg_column_stack, "vv", "", tg_column_stack(o, 2)) T(tg_block_diag, "xv", "", tg_block_diag(o, 2)) T(tg_block_diag, "x", "", tg_block_diag(o, 1))
    N(tg_atleast_1d) N(tg_atleast_2d) T(tg_atleast_2d, "v", "", tg_atleast_2d(o[0])) T(tg_atleast_1d, "s", "", tg_atleast_1d(o[0])) N(tg_atleast_3d) N(tg_squeeze_all) X(tg_squeeze_dims, TG_DIMS(0)) X(tg_unflatten, 1, TG_DIMS(2, 16)) X(tg_unflatten, 1, TG_DIMS(32)) N(tg_ravel) T(tg_ravel, "v", "", tg_ravel(o[0]))
    X(tg_movedim, TG_DIMS(0), TG_DIMS(1)) X(tg_movedim, TG_DIMS(0), TG_DIMS(0)) X(tg_moveaxis, TG_DIMS(0), TG_DIMS(1)) X(tg_swapaxes, 0, 1) T(tg_view_as, "xx", "3", tg_view_as(o[0], o[1])) T(tg_reshape_as, "xx", "3", tg_reshape_as(o[0], o[1])) T(tg_expand_as, "vx", "3", tg_expand_as(o[0], o[1]))
    X(tg_broadcast_to, TG_SHAPE(2, 32, 32)) X(tg_broadcast_to, TG_SHAPE(32, 32)) B(tg_broadcast_tensors, "xv", "3", cut(c, tg_broadcast_tensors(o, 2, p) ? 2 : 0, 2, p)) X(tg_diagonal, 0, 0, 1) X(tg_diag, 0) T(tg_diag, "v", "", tg_diag(o[0], 1)) X(tg_diag_embed, 0, 0, 1) T(tg_diagflat, "v", "", tg_diagflat(o[0], 0))
    X(tg_tril, 0) X(tg_triu, 0) T(tg_tril_, "x", "w", tg_tril_(o[0], 0)) T(tg_triu_, "x", "w", tg_triu_(o[0], 0)) X(tg_unfold, 0, 4, 2) T(tg_cartesian_prod, "vv", "", tg_cartesian_prod(o, 2)) T(tg_cartesian_prod, "v", "", tg_cartesian_prod(o, 1)) T(tg_combinations, "v", "", tg_combinations(o[0], 2, false))
    T(tg_vander, "v", "", tg_vander(o[0], 3, false)) T(tg_new_empty, "x", "3r", tg_new_empty(o[0], TG_SHAPE(2), floats_are)) T(tg_new_zeros, "x", "3", tg_new_zeros(o[0], TG_SHAPE(2))) T(tg_new_ones, "x", "3", tg_new_ones(o[0], TG_SHAPE(2))) T(tg_new_full, "x", "3", tg_new_full(o[0], TG_SHAPE(2), 3, floats_are))
    T(tg_rand_like, "x", "r", tg_rand_like(o[0])) T(tg_randn_like, "x", "r", tg_randn_like(o[0])) T(tg_randint_like, "x", "r", tg_randint_like(o[0], 0, 2)) T(tg_normal, "xx", "r", tg_normal(o[0], o[1])) T(tg_multinomial, "x", "r", tg_multinomial(o[0], 3, true)) T(tg_multinomial, "x", "r", tg_multinomial(o[0], 3, false))
    /* losses */
    T(tg_mse_loss_from, "xxx", "", tg_mse_loss(o[0], o[1], .weight = o[2])) T(tg_l1_loss_from, "xx", "", tg_l1_loss(o[0], o[1], .reduction = TG_LOSS_NONE)) T(tg_smooth_l1_loss_from, "xx", "", tg_smooth_l1_loss(o[0], o[1])) T(tg_huber_loss_from, "xxx", "", tg_huber_loss(o[0], o[1], .weight = o[2]))
    T(tg_binary_cross_entropy_from, "xxx", "", tg_binary_cross_entropy(o[0], o[1], .weight = o[2])) T(tg_binary_cross_entropy_with_logits_from, "xxvv", "", tg_binary_cross_entropy_with_logits(o[0], o[1], .weight = o[2], .pos_weight = o[3]))
    T(tg_multilabel_soft_margin_loss_from, "xxv", "", tg_multilabel_soft_margin_loss(o[0], o[1], .weight = o[2])) T(tg_kl_div_from, "xx", "", tg_kl_div(o[0], o[1])) T(tg_nll_loss_from, "xiv", "", tg_nll_loss(o[0], o[1], .weight = o[2])) T(tg_cross_entropy_from, "xiv", "", tg_cross_entropy(o[0], o[1], .weight = o[2]))
    T(tg_cross_entropy_from, "xx", "", tg_cross_entropy(o[0], o[1])) T(tg_soft_margin_loss_from, "xx", "", tg_soft_margin_loss(o[0], o[1])) T(tg_multilabel_margin_loss_from, "xg", "", tg_multilabel_margin_loss(o[0], o[1])) T(tg_hinge_embedding_loss_from, "xx", "", tg_hinge_embedding_loss(o[0], o[1])) T(tg_hinge_embedding_loss_from, "xx", "3", tg_hinge_embedding_loss(o[0], tg_ones_like(o[1])))
    T(tg_multi_margin_loss_from, "xiv", "", tg_multi_margin_loss(o[0], o[1], .weight = o[2])) T(tg_poisson_nll_loss_from, "xx", "", tg_poisson_nll_loss(o[0], o[1])) T(tg_gaussian_nll_loss_from, "xxx", "", tg_gaussian_nll_loss(o[0], o[1], o[2])) T(tg_margin_ranking_loss_from, "xxx", "", tg_margin_ranking_loss(o[0], o[1], o[2]))
    T(tg_cosine_embedding_loss_from, "xxv", "", tg_cosine_embedding_loss(o[0], o[1], o[2])) T(tg_cosine_embedding_loss_from, "xxv", "3", tg_cosine_embedding_loss(o[0], o[1], tg_ones_like(o[2]))) T(tg_triplet_margin_loss_from, "xxx", "", tg_triplet_margin_loss(o[0], o[1], o[2])) T(tg_ctc_loss_from, "kgii", "", tg_ctc_loss(tg_log_softmax(o[0], 2), tg_clamp(o[1], 1, 31), tg_clamp(o[2], 2, 2), tg_clamp(o[3], 1, 1)))
    /* padding, windows */
    X(tg_pad, TG_DIMS(1, 0), TG_PAD_CONSTANT, 2) X(tg_pad, TG_DIMS(2, 1), TG_PAD_REFLECT, 0) X(tg_pad, TG_DIMS(0, 0), TG_PAD_CIRCULAR, 0) X(tg_constant_pad_nd, TG_DIMS(0, 1, -1, 0), 2) T(tg_nn_unfold_from, "c", "", tg_nn_unfold(o[0], .kernel = {1, 2}))
    T(tg_fold_from, "x", "", tg_fold(o[0], .kernel = {1, 2}, .size = {1, 33})) T(tg_pixel_shuffle, "H", "", tg_pixel_shuffle(o[0], 2)) T(tg_pixel_unshuffle, "k", "", tg_pixel_unshuffle(o[0], 2)) T(tg_channel_shuffle, "k", "", tg_channel_shuffle(o[0], 4))
    /* attention of many heads: with a weight for each of query, key and value and one more key, and with keys that are given */
    T(tg_multi_head_attention_forward_from, "xxxxAAQxxxvvxkk", "", tg_add(tg_multi_head_attention_forward(o[0], o[1], o[2], .num_heads = 2, .use_separate_proj_weight = true, .q_proj_weight = o[7], .k_proj_weight = o[8], .v_proj_weight = o[9], .in_proj_bias = o[6],
          .bias_k = tg_unsqueeze(o[4], 0), .bias_v = tg_unsqueeze(o[5], 0), .attn_mask = o[3], .key_padding_mask = o[10], .out_proj_bias = o[11], .out_proj_weight = o[12]),
        tg_multi_head_attention_forward(o[0], o[1], o[2], .num_heads = 2, .use_separate_proj_weight = true, .q_proj_weight = o[7], .k_proj_weight = o[8], .v_proj_weight = o[9], .static_k = tg_narrow(o[13], 2, 0, 16), .static_v = tg_narrow(o[14], 2, 16, 16), .out_proj_weight = o[12])))
    B(tg_multi_head_attention_forward_from, "xKx", "3", give(c, tg_multi_head_attention_forward(o[0], o[0], o[0], .num_heads = 4, .in_proj_weight = o[1], .out_proj_weight = o[2], .weights = &y)) && give(c, y))
    /* searching, writing by index */
    N(tg_nonzero) N(tg_argwhere) B(tg_nonzero_tuple, "x", "", cut(c, tg_nonzero_tuple(o[0], p, 2), 2, p)) B(tg_unravel_index, "i", "", cut(c, tg_unravel_index(o[0], TG_SHAPE(4, 8), p), 2, p)) T(tg_masked_select, "xb", "", tg_masked_select(o[0], o[1]))
    T(tg_masked_scatter, "xbx", "", tg_masked_scatter(o[0], o[1], o[2])) T(tg_masked_scatter_, "xbx", "w", tg_masked_scatter_(o[0], o[1], o[2])) T(tg_masked_fill_tensor, "xbs", "", tg_masked_fill_tensor(o[0], o[1], o[2])) T(tg_masked_fill_, "xb", "w", tg_masked_fill_(o[0], o[1], 2))
    T(tg_index_fill_tensor, "xis", "", tg_index_fill_tensor(o[0], 0, o[1], o[2])) T(tg_index_fill_, "xi", "w", tg_index_fill_(o[0], 0, o[1], 2)) T(tg_clamp_tensor_, "xxx", "w", tg_clamp_tensor_(o[0], o[1], o[2])) T(tg_index_copy_, "xix", "w", tg_index_copy_(o[0], 0, o[1], o[2]))
    T(tg_index_add_, "xix", "w", tg_index_add_(o[0], 0, o[1], o[2])) T(tg_scatter_, "xgx", "w", tg_scatter_(o[0], 0, o[1], o[2])) T(tg_scatter_add_, "xgx", "w", tg_scatter_add_(o[0], 0, o[1], o[2]))
    T(tg_scatter_reduce_, "xgx", "w", tg_scatter_reduce_(o[0], 0, o[1], o[2], TG_SCATTER_PROD, true)) T(tg_scatter_reduce, "xgx", "", tg_scatter_reduce(o[0], 0, o[1], o[2], TG_SCATTER_AMAX, true)) T(tg_scatter_reduce, "xgx", "", tg_scatter_reduce(o[0], 0, o[1], o[2], TG_SCATTER_MEAN, false))
    T(tg_index, "xii", "", tg_index(o[0], o + 1, 2)) T(tg_index, "xb", "", tg_index(o[0], o + 1, 1)) T(tg_index_put, "xiv", "", tg_index_put(o[0], o + 1, 1, o[2], false)) T(tg_index_put, "xiiv", "", tg_index_put(o[0], o + 1, 2, o[3], true)) T(tg_index_put_, "xiv", "w", tg_index_put_(o[0], o + 1, 1, o[2], true))
    T(tg_put, "xgx", "", tg_put(o[0], o[1], o[2], true)) T(tg_put_, "xgx", "w", tg_put_(o[0], o[1], o[2], false)) T(tg_index_reduce, "xix", "", tg_index_reduce(o[0], 0, o[1], o[2], TG_SCATTER_PROD, true)) T(tg_select_scatter, "xv", "", tg_select_scatter(o[0], o[1], 0, 3))
    T(tg_slice_scatter, "xx", "", tg_slice_scatter(o[0], tg_narrow(o[1], 0, 0, 4), 0, 1, 9, 2)) T(tg_diagonal_scatter, "xv", "", tg_diagonal_scatter(o[0], o[1], 0, 0, 1))
    B(tg_unique, "x", "", give(c, tg_unique(o[0], &y, &z)) && give(c, y) && give(c, z)) B(tg_unique_dim, "x", "", give(c, tg_unique_dim(o[0], 0, &y, &z)) && give(c, y) && give(c, z)) B(tg_unique_consecutive, "x", "", give(c, tg_unique_consecutive(o[0], &y, &z)) && give(c, y) && give(c, z))
    B(tg_unique_consecutive_dim, "x", "", give(c, tg_unique_consecutive_dim(o[0], 0, &y, &z)) && give(c, y) && give(c, z)) T(tg_searchsorted_from, "vxi", "", tg_searchsorted(o[0], o[1], .sorter = o[2])) T(tg_searchsorted_from, "xx", "", tg_searchsorted(tg_sort(o[0], 1, false, NULL), o[1], .right = true))
    T(tg_bucketize, "xv", "", tg_bucketize(o[0], tg_sort(o[1], 0, false, NULL), true, false)) T(tg_bucketize, "xv", "", tg_bucketize(o[0], tg_sort(o[1], 0, false, NULL), false, true)) T(tg_isin, "xx", "", tg_isin(o[0], o[1], false)) T(tg_bincount, "iv", "e", tg_bincount(o[0], o[1], 3)) T(tg_bincount, "i", "", tg_bincount(o[0], NULL, 0)) X(tg_histc, 5, 0, 1) X(tg_histc, 5, 0, 0)
    B(tg_histogram, "xx", "3", give(c, tg_histogram(o[0], 5, NULL, o[1], true, &y)) && give(c, y)) T(tg_histogram_edges, "xvx", "", tg_histogram_edges(o[0], tg_cumsum(o[1], 0), o[2], false)) B(tg_mode, "x", "", give(c, tg_mode(o[0], 0, false, &y)) && give(c, y))
    N(tg_nanmedian) B(tg_nanmedian_dim, "x", "", give(c, tg_nanmedian_dim(o[0], 0, false, &y)) && give(c, y)) T(tg_quantile_from, "xs", "", tg_quantile(o[0], o[1])) T(tg_quantile_from, "xv", "", tg_quantile(o[0], o[1], .dim = TG_IS(0))) T(tg_nanquantile_from, "xs", "", tg_nanquantile(o[0], o[1], .dim = TG_IS(1)))
    B(tg_gradient_from, "x", "", cut(c, tg_gradient(o[0], p, 2), 2, p)) B(tg_gradient_from, "xv", "", y = tg_cumsum(o[1], 0), cut(c, tg_gradient(o[0], p, 1, .coordinates = &y, .dims = zero, .n_dims = 1), 1, p))
    T(tg_embedding_bag_from, "gx", "1", tg_embedding_bag(o[0], o[1])) T(tg_embedding_bag_from, "ixiv", "1", tg_embedding_bag(o[0], o[1], .offsets = tg_mul_scalar(tg_narrow(o[2], 0, 0, 2), 0), .per_sample_weights = o[3], .mode = TG_BAG_SUM))
    T(tg_pad_sequence, "xx", "", tg_pad_sequence(o, 2, false, 0)) N(tg_isposinf) N(tg_isneginf)
    return false;
}

/* ---- operands: x y l h [32, 32]: y a leaf, l a result of the graph, h a leaf with a gradient; v s d: [32], [], [] of f64; i g: indices [32], [32, 32]; b u: bools, bytes; c w: images, a kernel;
   J H P R: images and kernels of one and three dimensions; A K M [1, 32], [96, 32], [128, 32], Q N [96], [128]: a state, weights and biases of recurrent layers; E: lengths [32]; p: i64 of c's shape.
   k t a: [2, 32, 32], [3, 32], [2].
   `lead` examples of them, or one without; `graph`: the floats are results of the graph. ---- */
enum { FULL, NO_ROWS, NO_COLUMNS };
static int lacks;                                             /* operands are made without elements: their first dimension is 0, or their last */
static tg_dtype dtype_of(char letter) { return strchr("igpE", letter) ? wholes_are : letter == 'b' ? TG_BOOL : letter == 'u' ? TG_U8 : letter == 'd' ? TG_F64 : floats_are; }
static tg_tensor *whole(tg_ctx *tg, char letter, int lead, bool graph) {
    int64_t shape[6] = { 0, 32, 32, 1, 1, 1 }, i;
    const int ndim = strchr("sd", letter) ? 0 : strchr("viuaQNE", letter) ? 1 : strchr("cwp", letter) ? 4 : strchr("kJH", letter) ? 3 : strchr("PR", letter) ? 5 : 2;
    tg_tensor *t;
    float *p;
    shape[0] = lead;
    if (letter == 'k' || letter == 'a') { shape[1] = 2; shape[3] = 32; }
    if (letter == 't') shape[1] = 3;
    if (ndim > 3 || strchr("JH", letter)) { shape[1] = strchr("wHR", letter) ? 32 : 2; shape[2] = 1; shape[ndim] = 32; }
    if (strchr("AKQMN", letter)) shape[1] = letter == 'A' ? 1 : strchr("KQ", letter) ? 96 : 128;
    if (lacks && ndim) shape[lacks == NO_ROWS ? 1 : ndim] = 0;
    t = tg_empty(tg, lead ? ndim + 1 : ndim, lead ? shape : shape + 1, TG_F32);
    for (p = (float *)t->data, i = 0; i < t->numel; i++) p[i] = letter == 'E' ? (float)(1 + test_random() % 32) : strchr("igpb", letter) ? (float)(test_random() % (letter == 'b' ? 2 : 32)) : !tg_dtype_is_float(floats_are) ? (float)(1 + test_random() % 3) : (float)test_uniform(floats_low, floats_high);
    t = tg_to(t, dtype_of(letter));
    if (letter == 'l' || (graph && strchr("xvsdcwktaAKQMNJHPR", letter))) return tg_mul_scalar(tg_require_grad(t, true), 2);
    if (strchr("yh", letter)) (void)tg_require_grad(t, true);
    if (letter == 'h') (void)tg_backward(tg_sum(tg_square(t)));
    return t;
}

/* ---- what takes no tensor: for tools/table.c alone ---- */
TEST_MAYBE bool created(int k, trial *c) {
    tg_ctx *tg = c->tg;
    int64_t shape[TG_MAX_DIMS];
    int at = 0;
    T(tg_eye_sized, "", "", tg_eye_sized(tg, 2, 3, floats_are)) T(tg_linspace, "", "", tg_linspace(tg, 0, 8, 5, floats_are)) T(tg_logspace, "", "", tg_logspace(tg, 0, 4, 5, 2, floats_are)) T(tg_randperm, "", "r", tg_randperm(tg, 5))
    T(tg_tril_indices, "", "", tg_tril_indices(tg, 3, 4, 0, wholes_are)) T(tg_triu_indices, "", "", tg_triu_indices(tg, 3, 4, 0, wholes_are)) B(tg_broadcast_shapes, "", "", tg_broadcast_shapes(tg, TG_SHAPE(2, 1), TG_SHAPE(3), shape) == 2)
    return false;
}

#undef ROW
#undef T
#undef B
#undef V
#undef N
#undef X
#undef PUT_N1
#undef PUT_N2
