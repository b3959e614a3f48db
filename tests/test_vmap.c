/* tg_vmap over all operations of op_list.h and over whole modules: every example gets the bits that a call of its own gives (of products what rounding leaves), and its own gradient; or the call is
   refused by name, and is on the list below. test_opaque.c does the same for every public function. */
#include "test.h"
#include <math.h>
#include "op_list.h"

enum { EXAMPLES = 3 };
static tg_ctx *tg;

/* ---- every operation ---- */
/* What cannot be mapped: it writes in place, reads numbers, or asks for gradients inside. A new one is a failure, and so is one that works by now. */
static const char *const refused_ops[] = { "added_into", "matrix_exps", "pool_back", "pool_mean_again", "ctc", "copied", "copied_part", "added_part", "filled_part", "filled_all", "made_uniform", "made_normal", NULL };
static const char *refused_now[100];
static int refused_count, mapped_count;

/* Where sums are of more rows than an example has, they may be rounded elsewhere: a few units in the last place of the largest. */
static bool near(tg_tensor *a, tg_tensor *b) {
    const double most = b && b->numel && tg_dtype_is_float(b->dtype) ? tg_item(tg_max(tg_to(tg_abs(b), TG_F64))) : 0;
    const double step = !b ? 0 : b->dtype == TG_F64 ? 2.220446049250313e-16 : b->dtype == TG_F32 ? 1.1920928955078125e-7 : b->dtype == TG_F16 ? 0.0009765625 : 0.0078125;
    return a && b && a->dtype == b->dtype && tg_allclose(a, b, 0, 16 * step * most);
}
static const char *const products[] = { "linear_blocks", NULL };       /* of op_list.h those that need it; their operands are small */

typedef struct mapped_op { const op_job *j; tg_tensor *fixed[4]; bool is[4]; int n; } mapped_op;
static tg_tensor *call_mapped(const mapped_op *p, tg_tensor *const *x) {
    tg_tensor *o[4];
    int i, k = 0;
    for (i = 0; i < p->n; i++) o[i] = viewed(p->is[i] ? x[k++] : p->fixed[i], p->j->view[i]);
    return p->j->c->f(o, p->n);
}
static bool call_as_function(void *user, tg_tensor *const *x, int n, tg_tensor **y, int m) { (void)n; (void)m; return (y[0] = call_mapped((const mapped_op *)user, x)) != NULL; }
/* All operands mapped, or only operand `one`: the wholes are x, 0.75 x and 0.5 x. */
static void map_op(const op_job *j, tg_tensor *const *x, int n, int one, const char *what) {
    const tg_random_state random = tg_random_get(tg);
    tg_tensor *whole[4], *leaf[4], *y = NULL, *each[EXAMPLES], *want, *seed, *g[4], *h[4];
    tg_function_call c;
    mapped_op p;
    int i, e, m = 0, leaves = 0;
    bool ok, product = false, turns = false,                                            /* operands lie in several orders: a formula of them chooses one, and a sum of that may round otherwise */
         draws = strstr(j->c->called, "drop") && !strstr(j->c->called, "no_");
    memset(&p, 0, sizeof p); memset(&c, 0, sizeof c);
    p.j = j; p.n = n;
    for (i = 0; products[i]; i++) product = product || is(products[i], j->c->called);
    for (i = 0; i < n; i++) {
        p.is[i] = one < 0 || i == one;
        turns = turns || j->view[i];
        if (p.is[i]) {
            for (e = 0; e < EXAMPLES; e++) each[e] = tg_mul_scalar(x[i], 1 - 0.25 * e);
            leaf[leaves++] = whole[m++] = tg_require_grad(tg_stack(each, EXAMPLES, 0), true);
        } else leaf[leaves++] = p.fixed[i] = tg_require_grad(tg_clone(x[i]), true);
    }
    c.f = call_as_function; c.user = &p; c.inputs = whole; c.n_inputs = m; c.n_outputs = 1;
    ok = tg_vmap(&c, &y);
    if (!ok) {
        CHECK_MSG(tg_error(tg) == TG_ERROR_UNSUPPORTED && strstr(tg_error_text(tg), "inside tg_vmap"), "%s: %s", what, tg_error_text(tg)); tg_clear(tg);
        for (i = 0; i < refused_count && !is(refused_now[i], j->c->called); i++) { }
        if (i == refused_count && i < 100) refused_now[refused_count++] = j->c->called;
        return;
    }
    mapped_count++;
    (void)tg_random_set(tg, random);
    for (e = 0; ok && e < EXAMPLES; e++) {
        tg_tensor *o[4];
        for (i = 0; i < m; i++) o[i] = tg_select(whole[i], 0, e);
        ok = (each[e] = call_mapped(&p, o)) != NULL && (draws || same(tg_select(y, 0, e), each[e]) || (product && near(tg_select(y, 0, e), each[e])) || (turns && tg_allclose(tg_select(y, 0, e), each[e], 1e-14, 1e-14)));
        CHECK_MSG(ok, "%s: example %d is not what a call of its own gives: %s", what, e, tg_error_text(tg));
    }
    want = ok && !draws ? tg_stack(each, EXAMPLES, 0) : NULL;
    if (want && y->requires_grad) {
        seed = tg_to(tg_randn(tg, y->ndim, y->shape), y->dtype);
        ok = tg_grad(&y, 1, leaf, leaves, g, .grad_outputs = &seed, .allow_unused = true) && tg_grad(&want, 1, leaf, leaves, h, .grad_outputs = &seed, .allow_unused = true);
        CHECK_MSG(ok, "%s: no gradient: %s", what, tg_error_text(tg));
        for (i = 0; ok && i < leaves; i++) CHECK_MSG(!g[i] == !h[i] && (!g[i] || same(tg_contiguous(g[i]), tg_contiguous(h[i])) || tg_allclose(g[i], h[i], 1e-11, 1e-11)), "%s: gradient %d is another", what, i);
    } else if (want) CHECK_MSG(!want->requires_grad, "%s: the graph is lost", what);
    CHECK_OK(tg);
}
static void test_ops(void) {
    int i, k, n, one;
    for (i = 0; i < (int)(sizeof ops / sizeof ops[0]); i++) {
        const char *at = ops[i].operands;
        while (at) {
            const tg_mark m = tg_begin(tg);
            tg_tensor *x[4];
            char what[120];
            op_job j;
            bool wide;
            const char *end = op_operands(tg, &ops[i], at, &j, x, &n, &wide);
            for (one = -1; one < (n > 1 ? n : 0); one++) {
                sprintf(what, "%.40s of '%.*s', operand %d (-1: all)", ops[i].called, (int)(end - at) < 60 ? (int)(end - at) : 60, at, one);
                map_op(&j, x, n, one, what);
            }
            at = *end == '|' ? end + 1 : NULL;
            tg_end(tg, m);
        }
    }
    for (i = 0; i < refused_count; i++) {
        for (k = 0; refused_ops[k] && !is(refused_ops[k], refused_now[i]); k++) { }
        CHECK_MSG(refused_ops[k] != NULL, "%s is refused inside tg_vmap, and is not on the list", refused_now[i]);
    }
    for (k = 0; refused_ops[k]; k++) {
        for (i = 0; i < refused_count && !is(refused_ops[k], refused_now[i]); i++) { }
        CHECK_MSG(i < refused_count, "%s is on the list of what tg_vmap refuses, and is not refused", refused_ops[k]);
    }
    printf("    %d calls are mapped, %d functions are refused:", mapped_count, refused_count);
    for (i = 0; i < refused_count; i++) printf(" %s", refused_now[i]);
    printf("\n");
}

/* ---- one call for all examples ---- */
/* What has a rule makes as many nodes for many examples as for few; what it gives is compared with the loop, and so are first and second derivatives. Operands: sizes of an
   example, "i" before those that are indices; "!": the results may be rounded otherwise. Examples of several are mapped in every combination. */
#define TOGETHER(name, ...) static tg_tensor *name(tg_tensor *const *x) { return __VA_ARGS__; }
TOGETHER(linear_, tg_linear(x[0], x[1], x[2]))
TOGETHER(linear_bare, tg_linear(x[0], x[1], NULL))
TOGETHER(matmul_, tg_matmul(x[0], x[1]))
TOGETHER(bmm_, tg_bmm(x[0], x[1]))
TOGETHER(addmm_, tg_addmm(x[2], x[0], x[1], 1, 1))
TOGETHER(einsum_, tg_einsum("ij,kj->ik", x, 2))
TOGETHER(sum_, tg_sum(x[0]))
TOGETHER(sum_last, tg_sum_dims(x[0], TG_DIMS(-1), true))
TOGETHER(mean_two, tg_mean_dims(x[0], TG_DIMS(0, -1), false))
TOGETHER(mean_, tg_mean(x[0]))
TOGETHER(prod_, tg_prod(x[0]))
TOGETHER(max_, tg_max(x[0]))
TOGETHER(amin_, tg_amin_dims(x[0], TG_DIMS(0, 1), true))
TOGETHER(max_dim_, tg_max_dim(x[0], -1, false, NULL))
TOGETHER(argmax_, tg_argmax(x[0]))
TOGETHER(argmin_dim_, tg_argmin_dim(x[0], 0, true))
TOGETHER(var_, tg_var_dims(x[0], TG_DIMS(1), 1, false))
TOGETHER(softmax_, tg_softmax(x[0], -1))
TOGETHER(log_softmax_, tg_log_softmax(x[0], 0))
TOGETHER(entropy_, tg_cross_entropy(x[0], x[1]))
TOGETHER(losses_, tg_cross_entropy(x[0], x[1], .reduction = TG_LOSS_NONE))
TOGETHER(conv1d_, tg_conv1d(x[0], x[1], x[2], .padding = 1))
TOGETHER(conv2d_, tg_conv2d(x[0], x[1], x[2], .padding = {1, 1}))
TOGETHER(conv2d_groups, tg_conv2d(x[0], x[1], NULL, .stride = {2, 1}, .groups = 2))
TOGETHER(conv_transpose_, tg_conv_transpose2d(x[0], x[1], x[2], .stride = {2, 2}, .groups = 2))
TOGETHER(max_pool_, tg_max_pool2d(x[0], .kernel = {2}))
TOGETHER(avg_pool_, tg_avg_pool2d(x[0], .kernel = {2}, .padding = {1, 1}))
TOGETHER(layer_norm_, tg_layer_norm(x[0], TG_SHAPE(6), x[1], x[2], 1e-5))
TOGETHER(rms_norm_, tg_rms_norm(x[0], TG_SHAPE(6), x[1], 1e-5))
TOGETHER(group_norm_, tg_group_norm(x[0], 2, x[1], x[2], 1e-5))
TOGETHER(instance_norm_, tg_instance_norm(x[0], NULL, NULL, x[1], x[2], true, 0.1, 1e-5))
TOGETHER(batch_norm_, tg_batch_norm(x[0], NULL, NULL, x[1], x[2], true, 0.1, 1e-5))
TOGETHER(embedding_, tg_embedding(x[1], x[0]))
TOGETHER(select_, tg_index_select(x[0], -1, x[1]))
TOGETHER(add_at, tg_index_add(x[0], 1, x[1], x[2]))
TOGETHER(gather_, tg_gather(x[0], 1, x[1]))
TOGETHER(scatter_, tg_scatter_add(x[0], 0, x[1], x[2]))
TOGETHER(cat_, tg_cat(x, 3, -1))
TOGETHER(stack_, tg_stack(x, 3, 1))
TOGETHER(sort_, tg_sort(x[0], -2, true, NULL))
TOGETHER(topk_, tg_topk(x[0], 2, -1, true, NULL))
TOGETHER(flip_, tg_flip(x[0], TG_DIMS(0, -1)))
TOGETHER(cumsum_, tg_cumsum(x[0], 0))
TOGETHER(cumprod_, tg_cumprod(x[0], -1))
TOGETHER(diagonal_, tg_diagonal(x[0], 1, 0, -1))
TOGETHER(one_hot_, tg_one_hot(x[0], 5))
static tg_tensor *some(int64_t rows, int64_t columns) { return tg_sin(tg_reshape(tg_arange(tg, 0, (double)(rows * columns), 1, TG_F32), TG_SHAPE(rows, columns))); }
TOGETHER(gru_, tg_gru_cell(x[0], x[1], some(9, 4), some(9, 3), NULL, NULL))
TOGETHER(attention_, tg_scaled_dot_product_attention(x[0], x[1], x[2]))
static const struct together { const char *name; tg_tensor *(*f)(tg_tensor *const *x); const char *operands; } togethers[] = {
#define R(f, operands) { #f, f, operands },
    R(linear_, "!7;4 7;4") R(linear_, "!3 7;4 7;4") R(linear_, "!2 3 7;4 7;4") R(linear_bare, "!20 70;40 70") R(matmul_, "!7;7") R(matmul_, "!7;7 4") R(matmul_, "!5 7;7") R(matmul_, "!30 70;70 40")
    R(matmul_, "!2 5 7;7 4") R(matmul_, "!5 7;3 2 7 4") R(bmm_, "!3 5 7;3 7 2") R(addmm_, "!5 7;7 2;2") R(einsum_, "!5 7;4 7") R(sum_, "5 7") R(sum_, "") R(sum_last, "5 7") R(mean_two, "5 3 7") R(mean_, "5 3")
    R(prod_, "2 3") R(max_, "5 7") R(max_, "") R(amin_, "3 4 5") R(max_dim_, "5 7") R(max_dim_, "") R(argmax_, "5 7") R(argmin_dim_, "5 7") R(var_, "5 7") R(softmax_, "5 7") R(softmax_, "") R(log_softmax_, "5 7")
    R(log_softmax_, "5 70") R(entropy_, "!5 4;i5") R(entropy_, "!4;i") R(losses_, "5 4;i5") R(conv1d_, "!3 8;4 3 3;4") R(conv2d_, "!2 3 6 5;4 3 3 3;4") R(conv2d_, "!3 6 5;4 3 3 3;4") R(conv2d_groups, "!2 4 7 6;6 2 3 2")
    R(conv_transpose_, "!2 4 3 3;4 3 2 2;6") R(max_pool_, "2 3 6 4") R(max_pool_, "3 6 4") R(avg_pool_, "2 3 6 4") R(layer_norm_, "!4 6;6;6") R(rms_norm_, "!2 4 6;6") R(group_norm_, "!2 4 5;4;4")
    R(instance_norm_, "!2 4 5;4;4") R(batch_norm_, "!3 4 5;4;4") R(embedding_, "5 3;i2 4") R(embedding_, "5 3;i") R(select_, "2 3 5;i4") R(add_at, "2 5 3;i4;2 4 3") R(gather_, "2 5;i2 3") R(scatter_, "5 3;i4 3;4 3")
    R(cat_, "2 3;2 1;2 4") R(stack_, "2 3;2 3;2 3") R(sort_, "4 3") R(softmax_, "1") R(topk_, "3 4") R(flip_, "2 3") R(cumsum_, "3 4") R(cumprod_, "3 4") R(diagonal_, "4 3 5") R(one_hot_, "i3") R(attention_, "!2 5 4;2 6 4;2 6 3")
    R(attention_, "!2 2 5 4;2 2 6 4;2 2 6 3") R(gru_, "!2 4;2 3")
#undef R
};
typedef struct together_call { const struct together *of; tg_tensor *x[3]; unsigned mapped; int n; } together_call;
static bool call_together(void *user, tg_tensor *const *x, int n, tg_tensor **y, int m) {
    const together_call *p = (const together_call *)user;
    tg_tensor *o[3];
    int i;
    (void)n; (void)m;
    for (i = 0; i < p->n; i++) o[i] = p->mapped >> i & 1u ? *x++ : p->x[i];
    return (y[0] = p->of->f(o)) != NULL;
}
/* Fills p with operands of so many examples; NULL-free. */
static int operands_together(together_call *p, tg_tensor **whole, int64_t size, tg_dtype dtype) {
    const char *at = p->of->operands + (p->of->operands[0] == '!');
    int k = 0;
    for (p->n = 0; ; p->n++, at++) {
        const bool index = *at == 'i', mapped = p->mapped >> p->n & 1u;
        int64_t shape[TG_MAX_DIMS];
        int d = 0;
        if (mapped) shape[d++] = size;
        for (at += index; *at && *at != ';'; ) { shape[d++] = strtol(at, (char **)(uintptr_t)&at, 10); while (*at == ' ') at++; }
        p->x[p->n] = index ? tg_to(tg_floor(tg_mul_scalar(tg_rand(tg, d, shape), 3)), TG_I64) : tg_require_grad(tg_to(tg_randn(tg, d, shape), dtype), true);
        if (mapped) whole[k++] = p->x[p->n];
        if (!*at) { p->n++; return k; }
    }
}
static int64_t nodes_together(const struct together *of, unsigned mapped, int64_t size, tg_dtype dtype, const char *what) {
    const tg_mark m = tg_begin(tg);
    const bool exact = of->operands[0] != '!';
    tg_tensor *whole[3], *leaf[3], *y = NULL, *each[8], *want, *g[3], *h[3], *seed;
    together_call p;
    tg_function_call c;
    int64_t nodes;
    int i, k, n = 0, e;
    memset(&p, 0, sizeof p); memset(&c, 0, sizeof c);
    p.of = of; p.mapped = mapped;
    c.n_inputs = operands_together(&p, whole, size, dtype);
    c.f = call_together; c.user = &p; c.inputs = whole; c.n_outputs = 1;
    for (i = 0; i < p.n; i++) if (p.x[i]->requires_grad) leaf[n++] = p.x[i];
    nodes = tg_memory(tg).live_nodes;
    if (!CHECK_MSG(tg_vmap(&c, &y), "%s: %s", what, tg_error_text(tg))) { tg_clear(tg); tg_end(tg, m); return 0; }
    nodes = tg_memory(tg).live_nodes - nodes;
    CHECK_MSG(y->shape[0] == size, "%s: not of %d examples", what, (int)size);
    for (e = 0; e < (int)size && size <= 8; e++) {
        tg_tensor *o[3];
        for (i = 0, k = 0; i < p.n; i++) o[i] = mapped >> i & 1u ? tg_select(whole[k++], 0, e) : p.x[i];
        each[e] = of->f(o);
        CHECK_MSG(exact ? same(tg_select(y, 0, e), each[e]) : near(tg_select(y, 0, e), each[e]), "%s: example %d of %d: %s", what, e, (int)size, tg_error_text(tg));
    }
    want = size && size <= 8 ? tg_stack(each, (int)size, 0) : NULL;
    if (want) CHECK_MSG(want->requires_grad == y->requires_grad, "%s: the graph", what);
    if (want && y->requires_grad && dtype == TG_F32) {
        seed = tg_randn(tg, y->ndim, y->shape);
        CHECK_MSG(tg_grad(&y, 1, leaf, n, g, .grad_outputs = &seed, .create_graph = true) && tg_grad(&want, 1, leaf, n, h, .grad_outputs = &seed, .create_graph = true), "%s: %s", what, tg_error_text(tg));
        for (i = 0, y = want = tg_number(tg, 0); i < n && !tg_failed(tg); i++) {
            CHECK_MSG(tg_allclose(g[i], h[i], 1e-4, 1e-5), "%s: gradient %d", what, i);
            y = tg_add(y, tg_sum(tg_square(g[i]))); want = tg_add(want, tg_sum(tg_square(h[i])));
        }
        if (!tg_failed(tg) && want->requires_grad) {
            CHECK_MSG(y->requires_grad && tg_grad(&y, 1, leaf, n, g, .allow_unused = true) && tg_grad(&want, 1, leaf, n, h, .allow_unused = true), "%s, twice: %s", what, tg_error_text(tg));
            for (i = 0; i < n && !tg_failed(tg); i++) CHECK_MSG((!g[i] && !h[i]) || (g[i] && h[i] && tg_allclose(g[i], h[i], 1e-3, 1e-3)), "%s: second gradient %d", what, i);
        }
    }
    CHECK_OK(tg);
    tg_clear(tg);
    tg_end(tg, m);
    return nodes;
}
static void test_together(void) {
    int i;
    for (i = 0; i < (int)(sizeof togethers / sizeof togethers[0]); i++) {
        const struct together *of = &togethers[i];
        const char *c = of->operands;
        unsigned mapped, all = 1;
        for (; *c; c++) if (*c == ';') all = 2 * all + 1;
        for (mapped = 1; mapped <= all; mapped++) {
            char what[100];
            int64_t few, many;
            sprintf(what, "%.30s of '%.40s', mapped %u", of->name, of->operands, mapped);
            few = nodes_together(of, mapped, 4, TG_F32, what);
            many = nodes_together(of, mapped, 40, TG_F32, what);
            CHECK_MSG(few == many, "%s: %d nodes for 4 examples, %d for 40", what, (int)few, (int)many);
            (void)nodes_together(of, mapped, 1, TG_F32, what);
            if (strstr(of->name, "gru")) continue;                      /* its weights are f32 */
            (void)nodes_together(of, mapped, 3, TG_F16, what);
            (void)nodes_together(of, mapped, 3, TG_BF16, what);
        }
        if (!strstr(of->name, "norm")) (void)nodes_together(of, 1, 0, TG_F32, of->name);            /* of no examples: all but those that take statistics */
    }
}

/* An operation of one's own: its check sees an example, and what its rule folds gets an example's shape again; where the rule declines there is the loop. */
static bool declines;
static int rules;
static bool rows_check(tg_ctx *c, tg__node *n) {
    (void)c;
    CHECK(tg_node_in(n, 0)->ndim == 2);
    return tg_node_in(n, 0)->shape[1] < 9 ? tg_node_make(n, 0, TG_F32, 1, tg_node_in(n, 0)->shape) : tg_node_fail(n, TG_ERROR_SHAPE, "rows are short");
}
static bool rows_forward(tg_ctx *c, tg__node *n) { (void)c; return tg_copy_(tg_node_out(n, 0), tg_sum_dims(tg_node_in(n, 0), TG_DIMS(1), false)) != NULL; }
static bool rows_vmap(tg_ctx *c, const tg_op *op, const void *attr, tg_tensor *const *in, int n_in, unsigned mapped, tg_tensor **out) {
    (void)c; (void)op; (void)attr;
    CHECK(n_in == 1 && mapped == 1 && in[0]->ndim == 3);
    rules++;
    return !declines && (out[0] = tg_sum_dims(tg_flatten(in[0], 0, 1), TG_DIMS(1), false)) != NULL;
}
static const tg_op rows_op = { .name = "my_rows", .version = 1, .n_in = 1, .n_out = 1, .check = rows_check, .forward = rows_forward, .vmap = rows_vmap };
static bool row_sums(void *user, tg_tensor *const *x, int n, tg_tensor **y, int m) { (void)user; (void)n; (void)m; return (y[0] = tg_call(&rows_op, NULL, x, 1, NULL)) != NULL; }
static void test_own(void) {
    const tg_mark m = tg_begin(tg);
    tg_tensor *x = tg_randn(tg, TG_SHAPE(3, 2, 5)), *wide = tg_ones(tg, TG_SHAPE(3, 2, 9)), *y = NULL;
    tg_function_call c;
    memset(&c, 0, sizeof c);
    c.f = row_sums; c.inputs = &x; c.n_inputs = c.n_outputs = 1;
    for (declines = false, rules = 0; rules < 2; declines = true) {
        if (!CHECK(tg_vmap(&c, &y)) || !CHECK(y->ndim == 2 && tg_equal(y, tg_sum_dims(x, TG_DIMS(2), false)))) break;
    }
    c.inputs = &wide;
    CHECK(!tg_vmap(&c, &y) && rules == 2 && strstr(tg_error_text(tg), "rows are short")); CHECK_ERROR(tg, TG_ERROR_SHAPE);
    tg_end(tg, m);
    CHECK_OK(tg);
}

/* Where memory runs out, by each allocation: that error, and nothing is left, neither of halves, which rules widen first. */
TOGETHER(scattered, tg_scatter_reduce(x[0], 0, x[1], x[2], TG_SCATTER_MEAN, false))
static const struct together poor[] = {
#define R(f, operands) { #f, f, operands },
    R(linear_, "3 7;4 7;4") R(conv2d_, "2 3 6 5;4 3 3 3;4") R(entropy_, "5 4;i5") R(layer_norm_, "4 6;6;6") R(group_norm_, "2 4 5;4;4") R(embedding_, "5 3;i2 4") R(add_at, "2 5 3;i4;2 4 3")
    R(attention_, "2 5 4;2 6 4;2 6 3") R(cat_, "2 3;2 1;2 4") R(scattered, "5 3;i4 3;4 3")
#undef R
};
static void test_memory_out(void) {
    tg_ctx *const was = tg;
    int i, half;
    for (i = 0; i < 2 * (int)(sizeof poor / sizeof poor[0]); i++) {
        test_heap heap = TEST_HEAP;
        tg_config config = test_config(&heap);
        together_call p;
        tg_tensor *whole[3], *y[1];
        tg_function_call c;
        tg_memory_info before, after;
        long k;
        half = i % 2;
        config.no_cache = true;                                         /* every block is asked of the heap */
        tg = tg_open(&config);
        if (!CHECK(tg != NULL)) break;
        memset(&p, 0, sizeof p); memset(&c, 0, sizeof c);
        p.of = &poor[i / 2];
        p.mapped = strchr(p.of->operands, 'i') ? 1 : 7;
        c.n_inputs = operands_together(&p, whole, 3, half ? TG_F16 : TG_F32);
        c.f = call_together; c.user = &p; c.inputs = whole; c.n_outputs = 1;
        for (k = 1; ; k++) {
            const tg_mark m = tg_begin(tg);
            bool ok;
            before = tg_memory(tg);
            heap.calls = heap.failures = 0; heap.fail_at = k;
            ok = tg_vmap(&c, y);
            heap.fail_at = 0;
            CHECK_MSG(ok == (heap.failures == 0), "%s: allocation %ld: %s", p.of->name, k, tg_error_text(tg));
            if (!ok) { CHECK(!y[0]); CHECK_ERROR(tg, TG_ERROR_MEMORY); }
            tg_end(tg, m);
            after = tg_memory(tg);
            CHECK_MSG(after.live_tensors == before.live_tensors && after.live_nodes <= before.live_nodes + 3, "%s: allocation %ld leaves something", p.of->name, k);     /* the leaves' nodes stay */
            if (ok || k > 500) break;
        }
        CHECK_MSG(k > 3 && k < 500, "%s: %ld allocations", p.of->name, k);
        tg_close(tg);
        (void)test_heap_ended(&heap);
    }
    tg = was;
}

/* ---- whole modules ---- */
static bool forward(void *user, tg_tensor *const *x, int n, tg_tensor **y, int m) { (void)n; (void)m; return (y[0] = tg_forward((tg_module *)user, x[0])) != NULL; }
/* x [N, ...] through the module, against the loop; gradients of the parameters and of x. */
static void map_module(tg_module *module, tg_tensor *x, const char *name) {
    tg_tensor *params[64], *leaf[65], *each[8], *y = NULL, *want, *g[65], *h[65], *seed;
    const int n = tg_parameters(module, params, 64);
    tg_function_call c;
    int i;
    memset(&c, 0, sizeof c);
    c.f = forward; c.user = module; c.inputs = &x; c.n_inputs = c.n_outputs = 1;
    if (!CHECK_MSG(n > 0 && n <= 64 && x->shape[0] <= 8 && tg_vmap(&c, &y), "%s: %s", name, tg_error_text(tg))) { tg_clear(tg); return; }
    for (i = 0; i < (int)x->shape[0]; i++) {
        each[i] = tg_forward(module, tg_select(x, 0, i));
        CHECK_MSG(same(tg_select(y, 0, i), each[i]) || tg_allclose(tg_select(y, 0, i), each[i], 1e-5, 1e-6), "%s: example %d", name, i);
    }
    want = tg_stack(each, (int)x->shape[0], 0);
    leaf[0] = x;
    for (i = 0; i < n; i++) leaf[1 + i] = params[i];
    seed = tg_randn_like(want);
    CHECK_MSG(tg_grad(&y, 1, leaf, n + 1, g, .grad_outputs = &seed) && tg_grad(&want, 1, leaf, n + 1, h, .grad_outputs = &seed), "%s: %s", name, tg_error_text(tg));
    for (i = 0; i <= n && !tg_failed(tg); i++) CHECK_MSG(tg_allclose(g[i], h[i], 1e-4, 1e-5), "%s: gradient %d", name, i);
    CHECK_OK(tg);
}
/* Gradients of each example by the parameters: a copy of these for every example, mapped beside it, and one backward. */
typedef struct per_sample { tg_module *module; int n; } per_sample;
static bool loss_of(void *user, tg_tensor *const *x, int n, tg_tensor **y, int m) {
    const per_sample *p = (const per_sample *)user;
    (void)m;
    return (y[0] = tg_sum(tg_square(tg_functional_call(p->module, x + 1, n - 1, x, 1)))) != NULL;
}
static void per_sample_of(tg_module *net, tg_tensor *x) {
    const tg_mark m = tg_begin(tg);
    tg_tensor *params[8], *in[9], *g[8], *h[8], *y, *loss;
    per_sample p;
    tg_function_call c;
    int i, e;
    p.module = net; p.n = tg_parameters(net, params, 8);
    in[0] = x;
    for (i = 0; i < p.n; i++) {
        int64_t shape[TG_MAX_DIMS];
        shape[0] = 5; memcpy(shape + 1, params[i]->shape, (size_t)params[i]->ndim * sizeof shape[0]);
        in[1 + i] = tg_expand(params[i], params[i]->ndim + 1, shape);
    }
    memset(&c, 0, sizeof c);
    c.f = loss_of; c.user = &p; c.inputs = in; c.n_inputs = p.n + 1; c.n_outputs = 1;
    CHECK(tg_vmap(&c, &y) && (loss = tg_sum(y)) != NULL && tg_grad(&loss, 1, in + 1, p.n, g)); CHECK_OK(tg);
    for (e = 0; e < 5; e++) {
        loss = tg_sum(tg_square(tg_forward(net, tg_select(x, 0, e))));
        CHECK(tg_grad(&loss, 1, params, p.n, h));
        for (i = 0; i < p.n && !tg_failed(tg); i++) CHECK(tg_allclose(tg_select(g[i], 0, e), h[i], 1e-5, 1e-6));
    }
    CHECK_OK(tg);
    tg_module_free(net);
    tg_end(tg, m);
}
static void test_per_sample(void) {
    const tg_mark m = tg_begin(tg);
    per_sample_of(tg_nn_sequential(tg, tg_nn_linear(tg, 3, 4), tg_nn_tanh(tg), tg_nn_linear(tg, 4, 2)), tg_randn(tg, TG_SHAPE(5, 3)));
    per_sample_of(tg_nn_sequential(tg, tg_nn_linear(tg, 3, 4), tg_nn_layer_norm(tg, 4), tg_nn_linear(tg, 4, 2)), tg_randn(tg, TG_SHAPE(5, 6, 3)));
    per_sample_of(tg_nn_sequential(tg, tg_nn_conv2d(tg, 2, 4, 3), tg_nn_group_norm(tg, 2, 4), tg_nn_relu(tg), tg_nn_max_pool2d(tg, 2), tg_nn_conv2d(tg, 4, 2, 2)), tg_randn(tg, TG_SHAPE(5, 2, 2, 8, 8)));
    tg_end(tg, m);
}
static void test_modules(void) {
    const tg_mark m = tg_begin(tg);
    tg_module *mlp = tg_nn_sequential(tg, tg_nn_linear(tg, 6, 8), tg_nn_gelu(tg), tg_nn_layer_norm(tg, 8), tg_nn_linear(tg, 8, 3));
    tg_module *net = tg_nn_sequential(tg, tg_nn_conv2d(tg, 2, 4, 3, .padding = {1}), tg_nn_relu(tg), tg_nn_max_pool2d(tg, 2), tg_nn_group_norm(tg, 2, 4), tg_nn_conv2d(tg, 4, 2, 3), tg_nn_flatten(tg));
    tg_module *encoder = tg_nn_transformer_encoder_layer(tg, 8, 2, .dim_feedforward = 16, .dropout = TG_IS(0), .batch_first = true);
    map_module(mlp, tg_require_grad(tg_randn(tg, TG_SHAPE(4, 6)), true), "an MLP");
    map_module(mlp, tg_require_grad(tg_randn(tg, TG_SHAPE(4, 2, 6)), true), "an MLP of batches");
    map_module(net, tg_require_grad(tg_randn(tg, TG_SHAPE(3, 2, 2, 8, 8)), true), "a network of convolutions");
    map_module(encoder, tg_require_grad(tg_randn(tg, TG_SHAPE(3, 2, 5, 8)), true), "a layer of a transformer");
    tg_module_free(mlp); tg_module_free(net); tg_module_free(encoder);
    tg_end(tg, m);
}

/* ---- what it says ---- */
static bool sorts(void *user, tg_tensor *const *x, int n, tg_tensor **y, int m) { (void)n; (void)m; return (y[0] = tg_sort(x[0], 0, user != NULL, m > 1 ? y + 1 : NULL)) != NULL; }
static bool drops(void *user, tg_tensor *const *x, int n, tg_tensor **y, int m) { (void)user; (void)n; (void)m; return (y[0] = tg_dropout(x[0], 0.5, true)) != NULL && (y[1] = tg_rand_like(x[0])) != NULL && (y[2] = tg_dropout2d(x[0], 0.5, true)) != NULL; }
static bool places(void *user, tg_tensor *const *x, int n, tg_tensor **y, int m) { (void)user; (void)n; (void)m; return (y[0] = y[1] = tg_searchsorted(x[0], x[0])) != NULL; }
/* An error is about one example's shapes, in the words of a call without tg_vmap. */
static bool wrong(void *user, tg_tensor *const *x, int n, tg_tensor **y, int m) {
    (void)n; (void)m;
    switch (*(const int *)user) {
        case 0: return (y[0] = tg_matmul(x[0], x[0])) != NULL;
        case 1: return (y[0] = tg_softmax(x[0], 2)) != NULL;
        case 2: return (y[0] = tg_sum_dims(x[0], TG_DIMS(0, -2), false)) != NULL;
        case 3: return (y[0] = tg_gather(x[0], 0, tg_to(x[0], TG_F64))) != NULL;
        case 4: return (y[0] = tg_add(x[0], tg_permute(x[0], TG_DIMS(1, 0)))) != NULL;
        case 5: return (y[0] = tg_view(x[0], TG_SHAPE(4, -1))) != NULL;
        case 6: return (y[0] = tg_linear(x[0], x[0], tg_select(x[0], 0, 0))) != NULL;
        default: return (y[0] = tg_conv1d(x[0], x[0], NULL)) != NULL;
    }
}
static void test_words(void) {
    const tg_mark m = tg_begin(tg);
    tg_tensor *x = tg_ones(tg, TG_SHAPE(3, 2, 5)), *one = tg_select(x, 0, 0), *y = NULL;
    tg_function_call c;
    char text[300];
    int k;
    memset(&c, 0, sizeof c);
    c.f = wrong; c.user = &k; c.inputs = &x; c.n_inputs = c.n_outputs = 1;
    for (k = 0; k < 8; k++) {
        CHECK(!wrong(&k, &one, 1, &y, 1) && tg_failed(tg));
        sprintf(text, "%.299s", tg_error_text(tg));
        tg_clear(tg);
        CHECK_MSG(!tg_vmap(&c, &y) && is(text, tg_error_text(tg)), "'%s' becomes '%s'", text, tg_error_text(tg));
        tg_clear(tg);
    }
    tg_end(tg, m);
    CHECK_OK(tg);
}
static bool counts(void *user, tg_tensor *const *x, int n, tg_tensor **y, int m) { (void)user; (void)n; (void)m; return (y[0] = tg_nonzero(x[0])) != NULL; }
static void test_edges(void) {
    const tg_mark m = tg_begin(tg);
    tg_tensor *x = tg_require_grad(tg_randn(tg, TG_SHAPE(4, 5)), true), *none = tg_zeros(tg, TG_SHAPE(0, 5)), *ones = tg_ones(tg, TG_SHAPE(3, 2, 50, 2)), *y[3];
    tg_function_call c;
    int i;
    memset(&c, 0, sizeof c);
    c.f = sorts; c.inputs = &x; c.n_inputs = 1; c.n_outputs = 2;
    CHECK(tg_vmap(&c, y) && y[0]->ndim == 2 && y[1]->dtype == TG_I64 && !y[1]->requires_grad && tg_equal(y[0], tg_sort(x, 1, false, NULL)) && tg_equal(tg_gather(x, 1, y[1]), y[0])); CHECK_OK(tg);
    c.inputs = &none;
    CHECK(tg_vmap(&c, y) && y[0]->ndim == 2 && y[0]->shape[0] == 0 && y[1]->dtype == TG_I64); CHECK_OK(tg);
    c.f = places;
    CHECK(!tg_vmap(&c, y) && !y[0] && !y[1] && strstr(tg_error_text(tg), "one example after the other, of which there are 0")); CHECK_ERROR(tg, TG_ERROR_UNSUPPORTED);
    c.f = counts; c.inputs = &x; c.n_outputs = 1;
    CHECK(!tg_vmap(&c, y) && strncmp(tg_error_text(tg), "nonzero: ", 9) == 0); CHECK_ERROR(tg, TG_ERROR_UNSUPPORTED);
    c.f = drops; c.inputs = &ones; c.n_outputs = 3;                     /* each example has numbers of its own */
    CHECK(tg_vmap(&c, y)); CHECK_OK(tg);
    for (i = 0; i < 3; i++) CHECK(y[i] && !tg_equal(tg_select(y[i], 0, 0), tg_select(y[i], 0, 1)) && !tg_equal(tg_select(y[i], 0, 1), tg_select(y[i], 0, 2)));
    CHECK(tg_equal(tg_select(y[2], -1, 0), tg_select(y[2], -1, 1)));    /* whole channels */
    tg_end(tg, m);
    CHECK_OK(tg);
}

int main(void) {
    tg = test_open();
    if (!tg) return test_end("vmap");
    test_ops();
    test_together();
    test_modules();
    test_per_sample();
    test_edges();
    test_words();
    test_own();
    test_memory_out();
    test_close(tg);
    return test_end("vmap");
}
