/* Every row of the formula table and every other differentiable op. What is tested of a row is made from the table itself, by its loop macros: values against plain C in double for every
   dtype of the row's class, 0-d, empty, broadcast and strided operands, mixed dtypes, the in-place and the number form; gradients of first and second order by differences; the fused
   derivative against the one in tg calls. The other ops stand in the list at the end, one line OP("record's name", function, operands); tests/test_oplist.sh fails for a record that
   is missing there.   run.sh flags: -Wl,--no-as-needed -lm */
#include "test.h"
#include <math.h>
#include "op_list.h"

/* ---- the plain reference ---- */
static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double python_mod(double a, double b) { double r = fmod(a, b); return r != 0 && (r < 0) != (b < 0) ? r + b : r; }
static double divisor(double a, double b) { return b == 0 ? fabs(a) : divisor(b, fmod(a, b)); }
static bool reference(const row *r, const double *x, const double *p, double *y) {
    const char *n = r->name + 3;
    double a = x[0], b = x[1], c = x[2];
#define R(name, e) if (is(n, name)) { *y = (double)(e); return true; }
    R("neg", -a) R("abs", fabs(a)) R("sign", (a > 0) - (a < 0)) R("square", a * a) R("sqrt", sqrt(a)) R("rsqrt", 1 / sqrt(a)) R("reciprocal", 1 / a) R("exp", exp(a)) R("exp2", exp2(a))
    R("expm1", expm1(a)) R("log", log(a)) R("log2", log2(a)) R("log10", log10(a)) R("log1p", log1p(a)) R("sin", sin(a)) R("cos", cos(a)) R("tan", tan(a)) R("asin", asin(a)) R("acos", acos(a))
    R("atan", atan(a)) R("sinh", sinh(a)) R("cosh", cosh(a)) R("tanh", tanh(a)) R("asinh", asinh(a)) R("acosh", acosh(a)) R("atanh", atanh(a)) R("erf", erf(a)) R("erfc", erfc(a))
    R("ndtr", erfc(-a * 0.70710678118654752440) / 2) R("sigmoid", sigmoid(a)) R("logsigmoid", -log1p(exp(-a))) R("relu", a > 0 ? a : 0) R("gelu", a * erfc(-a * 0.70710678118654752440) / 2)
    R("gelu_tanh", 0.5 * a * (1 + tanh(0.79788456080286535588 * (a + 0.044715 * a * a * a)))) R("silu", a * sigmoid(a)) R("mish", a * tanh(log1p(exp(a))))
    R("floor", floor(a)) R("ceil", ceil(a)) R("round", rint(a)) R("trunc", trunc(a)) R("frac", a - trunc(a)) R("isnan", a != a) R("isinf", a == INFINITY || a == -INFINITY)
    R("isfinite", a - a == 0) R("logical_not", a == 0) R("leaky_relu", a > 0 ? a : a * p[0]) R("elu", a > 0 ? a : p[0] * expm1(a))
    R("softplus", a * p[0] > p[1] ? a : log1p(exp(a * p[0])) / p[0]) R("hardtanh", a < p[0] ? p[0] : a > p[1] ? p[1] : a) R("clamp", a < p[0] ? p[0] : a > p[1] ? p[1] : a)
    R("add", a + b) R("sub", a - b) R("mul", a * b) R("div", a / b) R("pow", pow(a, b)) R("maximum", a > b ? a : b) R("minimum", a < b ? a : b) R("atan2", atan2(a, b)) R("fmod", fmod(a, b))
    R("remainder", python_mod(a, b)) R("floor_divide", floor(a / b)) R("div_trunc", trunc(a / b)) R("eq", a == b) R("ne", a != b) R("lt", a < b) R("le", a <= b) R("gt", a > b) R("ge", a >= b)
    R("logical_and", a != 0 && b != 0) R("logical_or", a != 0 || b != 0) R("logical_xor", (a != 0) != (b != 0)) R("add_scaled", a + p[0] * b) R("where", a != 0 ? b : c)
    R("sinc", a == 0 ? 1 : sin(3.14159265358979323846 * a) / (3.14159265358979323846 * a)) R("hardsigmoid", fmin(fmax(a + 3, 0), 6) / 6) R("hardswish", a * fmin(fmax(a + 3, 0), 6) / 6) R("softshrink", a > p[0] ? a - p[0] : a < -p[0] ? a + p[0] : 0 * a)
    R("hardshrink", a >= -p[0] && a <= p[0] ? 0 : a) R("threshold", a <= p[0] ? p[1] : a) R("fmax", fmax(a, b)) R("fmin", fmin(a, b)) R("hypot", hypot(a, b)) R("copysign", copysign(a, b))
    R("logaddexp", fmax(a, b) + log1p(exp(-fabs(a - b)))) R("bitwise_and", (int64_t)a & (int64_t)b) R("bitwise_or", (int64_t)a | (int64_t)b) R("bitwise_xor", (int64_t)a ^ (int64_t)b)
    R("bitwise_left_shift", b < 0 || b > 62 ? 0 : a * (double)((int64_t)1 << (int)b)) R("bitwise_right_shift", b < 0 ? (a < 0 ? -1 : 0) : floor(a / (double)((int64_t)1 << (int)b)))
    R("gcd", divisor(a, b)) R("lcm", a == 0 || b == 0 ? 0 : fabs(a * b) / divisor(a, b))
    R("lerp", a + c * (b - a)) R("addcmul", a + p[0] * b * c) R("addcdiv", a + p[0] * b / c)
#undef R
    return false;
}

static double *values(tg_tensor *t) {
    double *v = t ? (double *)malloc((size_t)(t->numel + 1) * sizeof(double)) : NULL;
    if (t && !tg_read(tg_to(t, TG_F64), v, (size_t)t->numel * sizeof(double))) { free(v); v = NULL; }
    return v;
}
/* Where element `at` (row-major) of a result with shape y falls in an operand that was broadcast. */
static int64_t position(const tg_tensor *y, const tg_tensor *x, int64_t at) {
    int64_t index = 0, step = 1;
    int d;
    for (d = y->ndim - 1; d >= 0; d--) {
        int k = d - (y->ndim - x->ndim);
        int64_t i = at % y->shape[d];
        at /= y->shape[d];
        if (k < 0) continue;
        if (x->shape[k] != 1) index += i * step;
        step *= x->shape[k];
    }
    return index;
}
static double wrapped(double v, tg_dtype d) {
    switch (d) {
        case TG_I32: return (double)(int32_t)(uint32_t)(uint64_t)(int64_t)v;
        case TG_I16: return (double)(int16_t)(uint16_t)(uint64_t)(int64_t)v;
        case TG_I8: return (double)(int8_t)(uint8_t)(uint64_t)(int64_t)v;
        case TG_U8: return (double)(uint8_t)(uint64_t)(int64_t)v;
        case TG_BOOL: return v != 0;
        default: return v;
    }
}
/* The type of a row's result when its operands promote to d; TG_DTYPES where that is refused. */
static tg_dtype result_of(const row *r, tg_dtype d) {
    if (is(r->types, "PREDICATE")) return TG_BOOL;
    if (is(r->types, "FLOATING")) return tg_dtype_is_float(d) ? d : TG_F32;
    if (is(r->types, "FLOAT_ONLY")) return tg_dtype_is_float(d) ? d : TG_DTYPES;
    if (is(r->types, "WHOLE")) return tg_dtype_is_float(d) || (d == TG_BOOL && (strstr(r->name, "shift") || named(r, "gcd") || named(r, "lcm"))) ? TG_DTYPES : d;
    if (is(r->types, "COUNTING")) return d == TG_BOOL ? TG_I64 : d;
    if (is(r->types, "NUMERIC")) return d == TG_BOOL ? TG_DTYPES : d;
    return d;
}

/* ---- values ---- */
typedef struct shapes { int ndim[3]; int64_t shape[3][3]; } shapes;
static const shapes plain_shapes[] = {
    { { 3, 3, 3 }, { { 3, 5, 7 }, { 3, 5, 7 }, { 3, 5, 7 } } },
    { { 0, 0, 0 }, { { 0 }, { 0 }, { 0 } } },
    { { 2, 2, 2 }, { { 0, 4 }, { 0, 4 }, { 0, 4 } } },
    { { 3, 1, 0 }, { { 2, 0, 3 }, { 3 }, { 0 } } },
    { { 3, 2, 1 }, { { 3, 1, 7 }, { 5, 1 }, { 7 } } },
    { { 1, 0, 1 }, { { 4 }, { 0 }, { 1 } } },
    { { 0, 2, 1 }, { { 0 }, { 4, 3 }, { 3 } } },
    { { 2, 2, 2 }, { { 2, 70 }, { 2, 70 }, { 1, 70 } } }
};
static const shapes long_shapes[] = {
    { { 1, 1, 1 }, { { 2101 }, { 2101 }, { 1 } } },
    { { 2, 1, 2 }, { { 3, 6001 }, { 6001 }, { 3, 1 } } }
};
static void test_values(tg_ctx *tg, const row *r, tg_dtype d, const shapes *s, int layout) {
    tg_tensor *x[3] = { NULL, NULL, NULL }, *flat[3] = { NULL, NULL, NULL }, *y, *again;
    tg_dtype want = result_of(r, d);
    double p[2], *v[3] = { NULL, NULL, NULL }, *got, worst = 0, at_got = 0, at_want = 0;
    double near = want == TG_F64 ? 1e-12 : want == TG_F32 ? 4e-6 : want == TG_F16 ? 1e-3 : want == TG_BF16 ? 8e-3 : 0;
    int64_t i;
    int k;
    tg_mark m = tg_begin(tg);
    numbers_of(r, d, p);
    for (k = 0; k < r->n; k++) {
        x[k] = operand(tg, r, k, d, s->ndim[k], s->shape[k], layout ? (layout + k) % LAYS : 0);
        flat[k] = tg_contiguous(x[k]);
    }
    y = r->call(x, p);
    if (want == TG_DTYPES) {
        test_check(y == NULL && tg_error(tg) == TG_ERROR_DTYPE, __FILE__, __LINE__, "%s of %s must be refused", r->name, tg_dtype_name(d));
        tg_clear(tg);
        tg_end(tg, m);
        return;
    }
    if (!CHECK_MSG(y && y->dtype == want, "%s of %s gives %s, wanted %s: %s", r->name, tg_dtype_name(d), y ? tg_dtype_name(y->dtype) : "nothing", tg_dtype_name(want), tg_error_text(tg))) { tg_clear(tg); tg_end(tg, m); return; }
    for (k = 0; k < r->n; k++) v[k] = values(x[k]);
    got = values(y);
    for (i = 0; i < y->numel; i++) {
        double in[3] = { 0, 0, 0 }, ref = 0, error;
        for (k = 0; k < r->n; k++) in[k] = v[k][position(y, x[k], i)];
        if (!reference(r, in, p, &ref)) { CHECK_MSG(false, "%s has no reference here: add one", r->name); break; }
        if (!tg_dtype_is_float(want)) ref = wrapped(ref, want);
        error = test_near(got[i], ref, 0) ? 0 : fabs(got[i] - ref) / (near * (fabs(ref) + 1) + 1e-300);
        if (!(error <= worst)) { worst = error == error ? error : 1e300; at_got = got[i]; at_want = ref; }
    }
    CHECK_MSG(worst <= 1, "%s of %s, layout %d, shape %d.. : %.9g, wanted %.9g", r->name, tg_dtype_name(d), layout, (int)s->shape[0][0], at_got, at_want);
    for (k = 0; k < r->n; k++) free(v[k]);
    free(got);
    if (layout) {
        again = r->call(flat, p);
        CHECK_MSG(same(tg_contiguous(y), tg_contiguous(again)), "%s of %s, layout %d: other bits than of contiguous operands", r->name, tg_dtype_name(d), layout);
    }
    if ((d == TG_F16 || d == TG_BF16) && want == d) {                     /* half types: computed in f32, rounded once */
        for (k = 0; k < r->n; k++) flat[k] = x[k]->dtype == d ? tg_to(x[k], TG_F32) : x[k];
        CHECK_MSG(same(tg_contiguous(y), tg_contiguous(tg_to(r->call(flat, p), d))), "%s of %s is not the rounded f32 result", r->name, tg_dtype_name(d));
    }
    CHECK_OK(tg);
    tg_end(tg, m);
}

/* ---- in place: the same bits as out of place, strided, and where the operands overlap ---- */
static int category(tg_dtype d) { return tg_dtype_is_float(d) ? 2 : d == TG_BOOL ? 0 : 1; }
static void test_in_place(tg_ctx *tg, const row *r, tg_dtype d, int layout) {
    static const int64_t shape[3] = { 4, 3, 37 };
    tg_tensor *x[3], *y, *z;
    tg_dtype first = is(r->types, "CHOOSE") ? TG_BOOL : d, want = result_of(r, d);
    double p[2];
    uint64_t state;
    int k;
    tg_mark m = tg_begin(tg);
    numbers_of(r, d, p);
    state = test_random_state;
    for (k = 0; k < r->n; k++) x[k] = operand(tg, r, k, d, 3 - k, shape + k, layout);
    y = want == TG_DTYPES ? NULL : r->call(x, p);
    test_random_state = state;
    for (k = 0; k < r->n; k++) x[k] = operand(tg, r, k, d, 3 - k, shape + k, layout);
    z = r->put(x, p);
    if (want == TG_DTYPES || category(want) > category(first)) {
        test_check(z == NULL && tg_error(tg) == TG_ERROR_DTYPE, __FILE__, __LINE__, "%s_ of %s must be refused: %s", r->name, tg_dtype_name(d), tg_error_text(tg));
        tg_clear(tg);
    } else {
        CHECK_MSG(z == x[0] && same(tg_contiguous(z), tg_contiguous(tg_to(y, first))), "%s_ of %s, layout %d: not what %s gives: %s", r->name, tg_dtype_name(d), layout, r->name, tg_error_text(tg));
        CHECK_OK(tg);
        tg_clear(tg);
    }
    tg_end(tg, m);
}
static void test_overlap(tg_ctx *tg, const row *r) {                       /* tg_name_(x, x) and interleaved views pass; turned and shifted views of x are refused */
    int way;
    if (r->n < 2 || is(r->types, "CHOOSE")) return;
    for (way = 0; way < 4; way++) {
        static const int64_t square[2] = { 9, 9 }, line[1] = { 300 };
        tg_mark m = tg_begin(tg);
        const tg_dtype d = result_of(r, TG_F32) == TG_DTYPES ? TG_I32 : TG_F32;
        tg_tensor *x = operand(tg, r, 1, d, way == 0 || way == 2 ? 2 : 1, way == 0 || way == 2 ? square : line, 0), *in[3], *copy[3], *before = tg_clone(x), *y, *z;
        double p[2];
        int k;
        numbers_of(r, d, p);
        in[0] = way == 0 || way == 2 ? x : way == 1 ? tg_slice(x, "::2") : tg_narrow(x, 0, 0, 290);
        in[1] = way == 0 ? tg_view(x, 2, square) : way == 1 ? tg_slice(x, "1::2") : way == 2 ? tg_t(x) : tg_narrow(x, 0, 3, 290);
        in[2] = in[1];
        for (k = 0; k < r->n; k++) copy[k] = tg_clone(in[k]);
        y = r->call(copy, p);
        z = r->put(in, p);
        if (way < 2) CHECK_MSG(y && z && same(tg_contiguous(z), tg_contiguous(tg_to(y, d))), "%s_ on operands of one storage (%d) differs: %s", r->name, way, tg_error_text(tg));
        else {
            test_check(!z && tg_error(tg) == TG_ERROR_SHAPE, __FILE__, __LINE__, "%s_ on operands that overlap (%d) must be refused: %s", r->name, way, tg_error_text(tg));
            tg_clear(tg);
            CHECK_MSG(same(x, before), "%s_ was refused, but it wrote", r->name);
        }
        tg_clear(tg);
        tg_end(tg, m);
    }
}
static void test_number(tg_ctx *tg, const row *r) {
    static const tg_dtype kinds[] = { TG_F32, TG_F64, TG_BF16, TG_I32, TG_I64, TG_U8, TG_I32, TG_F32 };
    static const double numbers[] = { 1.375, 1.375, 1.375, 2, 2, 2, 1.375, 2 };
    static const int64_t shape[2] = { 3, 21 };
    int i;
    if (!r->scalar) return;
    for (i = 0; i < 8; i++) {
        tg_mark m = tg_begin(tg);
        tg_tensor *x[2], *y, *z;
        double b = numbers[i];
        bool whole = !tg_dtype_is_float(kinds[i]) && b == 2;               /* counts as torch takes 2: integers stay integers */
        x[0] = operand(tg, r, 0, kinds[i], 2, shape, LAY_TURNED);
        x[1] = whole ? tg_integer(tg, 2) : tg_number(tg, b);
        if (result_of(r, tg_dtype_is_float(kinds[i]) || whole || b == 2 ? kinds[i] : TG_F32) == TG_DTYPES) {
            CHECK_MSG(!r->call(x, NULL) && tg_error(tg) == TG_ERROR_DTYPE, "%s of %s is not refused", r->name, tg_dtype_name(kinds[i])); tg_clear(tg);
            CHECK_MSG(!r->scalar(x[0], b) && tg_error(tg) == TG_ERROR_DTYPE, "%s_scalar of %s is not refused", r->name, tg_dtype_name(kinds[i])); tg_clear(tg);
            tg_end(tg, m);
            continue;
        }
        y = r->call(x, NULL);
        z = r->scalar(x[0], b);
        CHECK_MSG(same(tg_contiguous(z), tg_contiguous(y)), "%s_scalar of %s is not %s with %s", r->name, tg_dtype_name(kinds[i]), r->name, whole ? "tg_integer" : "tg_number");
        CHECK_MSG(same(tg_contiguous(z), tg_contiguous(y)) && z && y && z->dtype == y->dtype, "%s_scalar of %s has another type", r->name, tg_dtype_name(kinds[i]));
        if (tg_dtype_is_float(kinds[i])) CHECK_MSG(z && z->dtype == result_of(r, kinds[i]), "%s_scalar changes %s", r->name, tg_dtype_name(kinds[i]));
        if (tg_dtype_is_float(kinds[i])) {                             /* in place, through strides */
            tg_tensor *copy = tg_clone(x[0]);
            z = r->scalar_put(copy, b);
            CHECK_MSG(z == copy && same(tg_contiguous(z), tg_contiguous(tg_to(y, kinds[i]))), "%s_scalar_ of %s is not %s", r->name, tg_dtype_name(kinds[i]), r->name);
        }
        CHECK_OK(tg);
        tg_clear(tg);
        tg_end(tg, m);
    }
}

/* ---- mixed dtypes: as if both had been converted to the type they promote to ---- */
static void test_mixed(tg_ctx *tg, const row *r) {
    static const int64_t shape[2] = { 3, 11 };
    int a, b, k;
    if (r->n < 2) return;
    for (a = 0; a < TG_DTYPES; a++) for (b = 0; b < TG_DTYPES; b++) {
        tg_mark m = tg_begin(tg);
        tg_dtype d[3], type = tg_dtype_promote((tg_dtype)a, (tg_dtype)b), want;
        tg_tensor *x[3], *c[3], *y;
        double p[2];
        d[0] = (tg_dtype)a; d[1] = (tg_dtype)b; d[2] = (tg_dtype)a;
        if (is(r->types, "CHOOSE")) d[0] = TG_BOOL;
        want = result_of(r, type);
        if (named(r, "sub") && (a == TG_BOOL || b == TG_BOOL)) want = TG_DTYPES;          /* as torch: any bool at all */
        numbers_of(r, type, p);
        for (k = 0; k < r->n; k++) {
            x[k] = operand(tg, r, k, d[k], 2, shape, (a + b + k) % LAY_SPREAD);
            c[k] = is(r->types, "CHOOSE") && k == 0 ? x[k] : tg_to(x[k], is(r->types, "FLOATING") && !tg_dtype_is_float(type) ? TG_F32 : type);
        }
        y = r->call(x, p);
        if (want == TG_DTYPES) test_check(tg_error(tg) == TG_ERROR_DTYPE, __FILE__, __LINE__, "%s of %s and %s must be refused", r->name, tg_dtype_name(d[0]), tg_dtype_name(d[1]));
        else CHECK_MSG(y && y->dtype == want && same(tg_contiguous(y), tg_contiguous(r->call(c, p))), "%s of %s and %s: not the same as with both %s: %s", r->name, tg_dtype_name(d[0]), tg_dtype_name(d[1]), tg_dtype_name(type), tg_error_text(tg));
        tg_clear(tg);
        tg_end(tg, m);
    }
}

/* ---- gradients ---- */
typedef struct job { const row *r; double p[2]; int view; tg_tensor *condition; } job;
static bool run_row(void *user, tg_tensor *const *inputs, int n_inputs, tg_tensor **outputs, int n_outputs) {
    const job *j = (const job *)user;
    tg_tensor *x[3];
    int k = 0, i;
    (void)n_outputs;
    if (j->condition) x[k++] = viewed(j->condition, j->view);
    for (i = 0; i < n_inputs && k < 3; i++) x[k++] = viewed(inputs[i], j->view);
    return bent(j->r->call(x, j->p), &outputs[0]);
}
static void test_gradient(tg_ctx *tg, const row *r) {
    static const shapes list[] = {
        { { 2, 2, 2 }, { { 2, 3 }, { 2, 3 }, { 2, 3 } } },
        { { 0, 0, 0 }, { { 0 }, { 0 }, { 0 } } },
        { { 2, 2, 2 }, { { 0, 3 }, { 0, 3 }, { 0, 3 } } },
        { { 2, 1, 2 }, { { 2, 1 }, { 3 }, { 2, 3 } } },
        { { 0, 1, 1 }, { { 0 }, { 4 }, { 1 } } },
        { { 2, 0, 1 }, { { 2, 3 }, { 0 }, { 3 } } },
        { { 2, 2, 2 }, { { 3, 4 }, { 3, 4 }, { 3, 4 } } },           /* strided: turned, back, gaps */
        { { 2, 2, 2 }, { { 3, 4 }, { 3, 4 }, { 3, 4 } } },
        { { 2, 2, 2 }, { { 3, 4 }, { 3, 4 }, { 3, 4 } } }
    };
    int i, k, rounds = r->n == 1 ? 2 : 1;
    if (is(r->types, "WHOLE")) return;
    if (is(r->types, "PREDICATE")) {
        tg_mark m = tg_begin(tg);
        tg_tensor *x[2], *y;
        for (k = 0; k < r->n; k++) x[k] = tg_require_grad(operand(tg, r, k, TG_F64, 2, list[0].shape[k], 0), true);
        y = r->call(x, NULL);
        CHECK_MSG(y && !y->requires_grad, "%s: a predicate must not require a gradient", r->name);
        tg_end(tg, m);
        return;
    }
    for (; rounds > 0; rounds--) for (i = 0; i < (int)(sizeof list / sizeof list[0]); i++) {
        tg_mark m = tg_begin(tg);
        tg_function_call c;
        tg_tensor *x[3];
        job j;
        bool ok;
        int n = 0;
        if (r->n == 1 && i > 2 && i < 6) { tg_end(tg, m); continue; }
        memset(&j, 0, sizeof j);
        memset(&c, 0, sizeof c);
        j.r = r; j.view = i > 5 ? i - 5 : 0;
        numbers_of(r, TG_F64, j.p);
        for (k = 0; k < r->n; k++) {
            tg_tensor *t = operand(tg, r, k, TG_F64, list[i].ndim[k], list[i].shape[k], 0);
            if (k == 0 && is(r->types, "CHOOSE")) j.condition = t; else x[n++] = t;
        }
        c.f = run_row; c.user = &j; c.inputs = x; c.n_inputs = n; c.n_outputs = 1;
        ok = tg_gradcheck(&c, .atol = 1e-6, .rtol = 1e-5, .second = true);
        CHECK_MSG(ok, "gradient of %s, case %d: %s", r->name, i, tg_error_text(tg));
        tg_clear(tg);
        tg_end(tg, m);
    }
}

/* ---- the fused derivative against the one in tg calls ---- */
static void test_fused(tg_ctx *tg, const row *r, tg_dtype d, int layout) {
    static const int64_t shape[2] = { 5, 19 };
    tg_mark m = tg_begin(tg);
    tg_tensor *all[3], *x[3], *y, *g[1], *fused[3], *composed[3];
    double p[2], unit = d == TG_F64 ? 2.2e-16 : d == TG_F32 ? 1.2e-7 : d == TG_F16 ? 9.8e-4 : 7.8e-3;
    int k, n = 0;
    int64_t i;
    bool ok;
    if (is(r->types, "PREDICATE") || is(r->types, "WHOLE")) { tg_end(tg, m); return; }
    numbers_of(r, d, p);
    for (k = 0; k < r->n; k++) {
        all[k] = operand(tg, r, k, d, 2, shape, layout);
        if (tg_dtype_is_float(all[k]->dtype)) { all[k] = tg_require_grad(tg_detach(all[k]), true); x[n++] = all[k]; }
    }
    g[0] = tg_to(tg_randn(tg, 2, shape), d);
    y = r->call(all, p);
    ok = y && tg_grad(&y, 1, x, n, fused, .grad_outputs = g, .allow_unused = true, .retain_graph = true) && tg_grad(&y, 1, x, n, composed, .grad_outputs = g, .allow_unused = true, .create_graph = true);
    CHECK_MSG(ok, "%s of %s: no gradients: %s", r->name, tg_dtype_name(d), tg_error_text(tg));
    for (k = 0; ok && k < n; k++) {
        double *a, *b, *gv, worst = 0, wa = 0, wb = 0;
        if (!CHECK_MSG(!fused[k] == !composed[k], "%s of %s: only one of the fused and composed gradients is there", r->name, tg_dtype_name(d))) continue;
        if (!fused[k]) continue;
        CHECK_MSG(fused[k]->dtype == d && composed[k]->dtype == d && fused[k]->numel == x[k]->numel && composed[k]->numel == x[k]->numel, "%s of %s: the gradient is %s and %s", r->name, tg_dtype_name(d), tg_dtype_name(fused[k]->dtype), tg_dtype_name(composed[k]->dtype));
        a = values(fused[k]); b = values(composed[k]); gv = values(g[0]);
        for (i = 0; a && b && gv && i < fused[k]->numel; i++) {
            double scale = fabs(a[i]) > fabs(b[i]) ? fabs(a[i]) : fabs(b[i]), error;
            if (scale < fabs(gv[i])) scale = fabs(gv[i]);              /* a derivative of 1 - y * y has the rounding errors of 1 */
            error = test_near(a[i], b[i], 0) ? 0 : fabs(a[i] - b[i]) / (unit * scale + 1e-300);
            if (!(error <= worst)) { worst = error; wa = a[i]; wb = b[i]; }
        }
        CHECK_MSG(worst <= 8, "%s of %s, operand %d: fused %.17g, composed %.17g: %.1f ulp", r->name, tg_dtype_name(d), k, wa, wb, worst);
        free(a); free(b); free(gv);
    }
    tg_clear(tg);
    tg_end(tg, m);
}

static bool in_tape(tg_tensor *t, const char *op) {
    static tg_tape_entry e[400];
    int n = t ? tg_tape(t, e, 400) : 0, i;
    for (i = 0; i < n && i < 400; i++) if (is(e[i].op, op)) return true;
    return false;
}
/* One case: operands from *at on, which ends behind its '|' or at the end. */
static void test_op(tg_ctx *tg, const op_case *o, const char **at) {
    const char *begin = *at, *s;
    tg_tensor *x[4], *y, *g[4], *seed;
    op_job j;
    tg_function_call c;
    int n = 0, i, length;
    bool wide = false, ok, found;
    tg_mark m = tg_begin(tg);
    memset(&j, 0, sizeof j);
    memset(&c, 0, sizeof c);
    s = op_operands(tg, o, begin, &j, x, &n, &wide);
    length = (int)(s - begin);
    *at = *s == '|' ? s + 1 : NULL;
    c.f = call_op; c.user = &j; c.inputs = x; c.n_inputs = n; c.n_outputs = 1;
    ok = tg_gradcheck(&c, .atol = wide ? 1e-3 : 1e-6, .rtol = wide ? 1e-3 : 1e-5, .eps = wide ? 0.0078125 : 0, .second = true);
    CHECK_MSG(ok, "%s of '%.*s': %s", o->called, length, begin, tg_error_text(tg));
    tg_clear(tg);
    if (begin == o->operands) {                                             /* the record is really reached: in the graph or in its gradients' */
        for (i = 0; i < n; i++) x[i] = tg_require_grad(tg_clone(tg_detach(x[i])), true);
        ok = call_op(&j, x, n, &y, 1);
        found = ok && in_tape(y, o->op);
        if (ok && !found) {
            seed = tg_ones_like(y);
            tg_require_grad(seed, true);
            ok = tg_grad(&y, 1, x, n, g, .grad_outputs = &seed, .create_graph = true, .allow_unused = true);
            for (i = 0; ok && i < n; i++) found = found || in_tape(g[i], o->op);
        }
        CHECK_MSG(found, "%s does not reach the record '%s': %s", o->called, o->op, tg_error_text(tg));
        tg_clear(tg);
    }
    tg_end(tg, m);
}

/* Ties share a gradient: once, as torch does. */
static void test_ties(tg_ctx *tg) {
    static const float v[6] = { 3, 1, 3, 3, 2, 1 };
    static const float want[6] = { 1 / 3.0f, 0, 1 / 3.0f, 1 / 3.0f, 0, 0 };
    float got[6];
    int i;
    tg_tensor *x = tg_require_grad(tg_from_f32(tg, TG_SHAPE(6), v), true);
    CHECK(tg_backward(tg_amax_dims(x, TG_DIMS(0), false)));
    CHECK(x->grad && tg_read_f32(x->grad, got, 6));
    for (i = 0; i < 6; i++) CHECK_NEAR(got[i], want[i], 1e-7);
    tg_zero_grad(x);
    CHECK(tg_backward(tg_max_dim(x, 0, false, NULL)));
    CHECK(x->grad && tg_read_f32(x->grad, got, 6));
    for (i = 0; i < 6; i++) CHECK_NEAR(got[i], i == 0 ? 1 : 0, 0);
    tg_zero_grad(x);
    CHECK(tg_backward(tg_sum(tg_maximum(x, tg_number(tg, 3)))));
    CHECK(x->grad && tg_read_f32(x->grad, got, 6));
    for (i = 0; i < 6; i++) CHECK_NEAR(got[i], v[i] == 3 ? 0.5 : 0, 0);
}
/* A NaN wins in maximum and minimum, whichever side it stands on. */
static void test_nan(tg_ctx *tg) {
    static const tg_dtype kinds[4] = { TG_F32, TG_F64, TG_F16, TG_BF16 };
    int i, side;
    for (i = 0; i < 4; i++) for (side = 0; side < 2; side++) {
        tg_tensor *a = tg_full(tg, TG_SHAPE(19), side ? (double)NAN : 1, kinds[i]), *b = tg_full(tg, TG_SHAPE(19), side ? 1 : (double)NAN, kinds[i]);
        CHECK(tg_item_i64(tg_sum(tg_isnan(tg_maximum(a, b)))) == 19);
        CHECK(tg_item_i64(tg_sum(tg_isnan(tg_minimum(a, b)))) == 19);
    }
    CHECK_OK(tg);
}

/* Integers: exact beyond 2^53, wrapping, and division by zero is an error. */
static void test_integers(tg_ctx *tg) {
    static const int64_t a[6] = { 4611686018427387905, -4611686018427387905, INT64_MAX, INT64_MIN, 9007199254740993, -7 }, b[6] = { 4611686018427387904, -4611686018427387906, 1, -1, 9007199254740992, 2 };
    static const uint64_t difference[6] = { 1, 1, (uint64_t)INT64_MAX - 1, (uint64_t)INT64_MIN + 1, 1, (uint64_t)-9 };
    static const int64_t floors[6] = { 1, 0, INT64_MAX, INT64_MIN, 1, -4 }, rests[6] = { 1, -4611686018427387905, 0, 0, 1, 1 }, truncated[6] = { 1, 0, INT64_MAX, INT64_MIN, 1, -3 };
    static const tg_dtype kinds[5] = { TG_I64, TG_I32, TG_I16, TG_I8, TG_U8 };
    int64_t got[6];
    uint8_t flag[6];
    int i, k;
    tg_tensor *x = tg_from(tg, TG_SHAPE(6), TG_I64, a), *y = tg_from(tg, TG_SHAPE(6), TG_I64, b);
    CHECK(tg_read(tg_sub(x, y), got, sizeof got)); for (i = 0; i < 6; i++) CHECK((uint64_t)got[i] == difference[i]);
    CHECK(tg_read(tg_floor_divide(x, y), got, sizeof got)); for (i = 0; i < 6; i++) CHECK_INT(got[i], floors[i]);
    CHECK(tg_read(tg_remainder(x, y), got, sizeof got)); for (i = 0; i < 6; i++) CHECK(got[i] == rests[i]);
    CHECK(tg_read(tg_div_trunc(x, y), got, sizeof got)); for (i = 0; i < 6; i++) CHECK_INT(got[i], truncated[i]);
    CHECK(tg_read(tg_maximum(x, y), got, sizeof got)); for (i = 0; i < 6; i++) CHECK(got[i] == (a[i] > b[i] ? a[i] : b[i]));
    CHECK(tg_read(tg_eq(x, y), flag, sizeof flag)); for (i = 0; i < 6; i++) CHECK(flag[i] == 0);
    CHECK(tg_read(tg_gt(x, y), flag, sizeof flag)); for (i = 0; i < 6; i++) CHECK(flag[i] == (a[i] > b[i]));
    CHECK_OK(tg);
    for (k = 0; k < 5; k++) for (i = 0; i < OP_ROWS; i++) {
        tg_tensor *in[2];
        if (!named(&rows[i], "fmod") && !named(&rows[i], "remainder") && !named(&rows[i], "floor_divide") && !named(&rows[i], "div_trunc")) continue;
        in[0] = tg_full(tg, TG_SHAPE(70), 5, kinds[k]);
        in[1] = tg_full(tg, TG_SHAPE(70), 3, kinds[k]);
        tg_set(in[1], (const int64_t[]){ 69 }, 0);
        CHECK_MSG(rows[i].call(in, NULL) == NULL && tg_failed(tg), "%s of %s by zero must be an error", rows[i].name, tg_dtype_name(kinds[k]));
        tg_clear(tg);
        CHECK_MSG(rows[i].put(in, NULL) == NULL && tg_failed(tg), "%s_ of %s by zero must be an error", rows[i].name, tg_dtype_name(kinds[k]));
        tg_clear(tg);
        CHECK_MSG(tg_get(in[0], (const int64_t[]){ 0 }) == 5, "%s_ refused, but wrote", rows[i].name);
    }
    CHECK_INT(tg_item_i64(tg_add(tg_full(tg, TG_SCALAR, 2147483647, TG_I32), tg_full(tg, TG_SCALAR, 1, TG_I32))), -2147483647 - 1);
    CHECK_INT(tg_item_i64(tg_mul(tg_full(tg, TG_SCALAR, 100, TG_I8), tg_full(tg, TG_SCALAR, 3, TG_I8))), 44);
    CHECK_INT(tg_item_i64(tg_neg(tg_full(tg, TG_SCALAR, 1, TG_U8))), 255);
    CHECK_OK(tg);
}
/* A tensor with dimensions decides the type, unless the 0-d one or the number is of a higher category. */
static void test_promotion(tg_ctx *tg) {
    static const struct { tg_dtype full, other; int kind; tg_dtype want; } list[] = {              /* kind 0: 0-d tensor, 1: tg_number, 2: tg_integer */
        { TG_F32, TG_F64, 0, TG_F32 }, { TG_BF16, TG_F32, 0, TG_BF16 }, { TG_I64, TG_F32, 0, TG_F32 }, { TG_I64, TG_F16, 0, TG_F16 }, { TG_I8, TG_I64, 0, TG_I8 }, { TG_BOOL, TG_I16, 0, TG_I16 },
        { TG_U8, TG_BOOL, 0, TG_U8 }, { TG_F32, TG_F32, 1, TG_F32 }, { TG_F16, TG_F32, 1, TG_F16 }, { TG_I32, TG_F32, 1, TG_F32 }, { TG_BOOL, TG_F32, 1, TG_F32 }, { TG_I32, TG_I64, 2, TG_I32 },
        { TG_BOOL, TG_I64, 2, TG_I64 }, { TG_F64, TG_I64, 2, TG_F64 }, { TG_BF16, TG_I64, 2, TG_BF16 }
    };
    int i;
    for (i = 0; i < (int)(sizeof list / sizeof list[0]); i++) {
        tg_tensor *a = tg_full(tg, TG_SHAPE(3), 1, list[i].full), *b = list[i].kind == 0 ? tg_full(tg, TG_SCALAR, 1, list[i].other) : list[i].kind == 1 ? tg_number(tg, 1) : tg_integer(tg, 1), *y = tg_mul(a, b);
        CHECK_MSG(y && y->dtype == list[i].want, "%s tensor * %s %s is %s, wanted %s", tg_dtype_name(list[i].full), tg_dtype_name(list[i].other),
                  list[i].kind == 0 ? "0-d" : "number", y ? tg_dtype_name(y->dtype) : "nothing", tg_dtype_name(list[i].want));
        y = tg_mul(b, a);
        CHECK_MSG(y && y->dtype == list[i].want, "the same, turned");
    }
    CHECK_OK(tg);
}

/* Operands of all kinds beside each other: the gradient of each has its dtype and shape and is no plain number, the kernels' and the composed one agree, where the second may itself be
   differentiated. */
enum { KINDS = 9 };
static tg_tensor *of_kind(tg_ctx *tg, const row *r, int k, int kind) {
    static const tg_dtype dtypes[KINDS] = { TG_F32, TG_F64, TG_F32, TG_F64, TG_BF16, TG_I64, TG_BOOL, TG_F64, TG_I64 };
    const int64_t three = 3;
    const bool one = kind == 2 || kind == 3, number = kind >= 7;
    tg_tensor *t;
    if (is(r->types, "CHOOSE") && k == 0) return operand(tg, r, 0, TG_BOOL, one || number ? 0 : 1, &three, LAY_ROW_MAJOR);
    if (number) { const double v = draw(r, k, dtypes[kind]); return kind == 7 ? tg_number(tg, v) : tg_integer(tg, (int64_t)v); }
    t = operand(tg, r, k, dtypes[kind], one ? 0 : 1, &three, LAY_ROW_MAJOR);
    return t && tg_dtype_is_float(t->dtype) ? tg_require_grad(t, true) : t;
}
static bool close_to(tg_tensor *a, tg_tensor *b, double worst) {
    int64_t at[1] = { 0 };
    for (; at[0] < a->numel; at[0]++) { const double v = tg_get(a, at), w = tg_get(b, at); if (!test_near(v, w, worst * (1 + fabs(w)))) return false; }
    return true;
}
static void test_kinds(tg_ctx *tg, const row *r) {
    int all = 1, c, i, k;
    for (i = 0; i < r->n; i++) all *= KINDS;
    for (c = 0; c < all; c++) {
        const tg_mark m = tg_begin(tg);
        tg_tensor *x[3], *leaf[3], *fused[3], *composed[3], *second[3], *y;
        int kind[3], n = 0, code = c;
        double p[2], worst;
        bool ok;
        numbers_of(r, TG_F32, p);
        for (i = 0; i < r->n; i++, code /= KINDS) {
            kind[i] = code % KINDS;
            x[i] = of_kind(tg, r, i, kind[i]);
            if (x[i] && x[i]->requires_grad) leaf[n++] = x[i];
        }
        y = r->call(x, p);
        if (!y || !y->requires_grad || !n) { tg_clear(tg); tg_end(tg, m); continue; }
        CHECK(!y->is_number);
        ok = tg_grad(&y, 1, leaf, n, fused, .grad_outputs = &y, .retain_graph = true, .allow_unused = true) && tg_grad(&y, 1, leaf, n, composed, .grad_outputs = &y, .create_graph = true, .allow_unused = true);
        if (!CHECK_MSG(ok, "%s of kinds %d %d %d: %s", r->name, kind[0], r->n > 1 ? kind[1] : -1, r->n > 2 ? kind[2] : -1, tg_error_text(tg))) { tg_clear(tg); tg_end(tg, m); continue; }
        for (i = 0; i < n; i++) {
            const tg_tensor *both[2];
            both[0] = fused[i]; both[1] = composed[i];
            CHECK_MSG(!fused[i] == !composed[i], "%s: one gradient is missing", r->name);
            for (k = 0; k < 2 && both[k]; k++)
                CHECK_MSG(both[k]->dtype == leaf[i]->dtype && both[k]->ndim == leaf[i]->ndim && both[k]->numel == leaf[i]->numel && !both[k]->is_number,
                    "%s of kinds %d %d %d: the %s gradient of leaf %d is of another kind", r->name, kind[0], r->n > 1 ? kind[1] : -1, r->n > 2 ? kind[2] : -1, k ? "composed" : "fused", i);
            if (!fused[i] || !composed[i]) continue;
            worst = y->dtype == TG_F64 && leaf[i]->dtype == TG_F64 ? 1e-12 : y->dtype == TG_BF16 || leaf[i]->dtype == TG_BF16 ? 0.04 : 1e-5;
            CHECK_MSG(close_to(fused[i], composed[i], worst),
                "%s of kinds %d %d %d: fused and composed gradients of leaf %d differ", r->name, kind[0], r->n > 1 ? kind[1] : -1, r->n > 2 ? kind[2] : -1, i);
        }
        for (i = 0, y = NULL; i < n; i++) if (composed[i] && composed[i]->requires_grad) y = y ? tg_add(y, tg_sum(composed[i])) : tg_sum(composed[i]);
        if (y && CHECK_MSG(tg_grad(&y, 1, leaf, n, second, .allow_unused = true), "%s of kinds %d %d %d, second order: %s", r->name, kind[0], r->n > 1 ? kind[1] : -1, r->n > 2 ? kind[2] : -1, tg_error_text(tg)))
            for (i = 0; i < n; i++) CHECK_MSG(!second[i] || (second[i]->dtype == leaf[i]->dtype && second[i]->numel == leaf[i]->numel), "%s: a second derivative of another kind", r->name);
        CHECK_OK(tg);
        tg_clear(tg);
        tg_end(tg, m);
    }
}
/* Kinks and edges where torch has a number. */
static void test_edges(tg_ctx *tg) {
    const tg_mark m = tg_begin(tg);
    const double far[4] = { 0, -1, 800, 2 };
    const float wide[3] = { 1e30f, 2e30f, 3e30f }, tiny[3] = { 1e-30f, 2e-30f, 3e-30f };
    tg_tensor *in[2], *g[2], *gg[2], *x, *y;
    int i;
    in[0] = tg_require_grad(tg_zeros(tg, TG_SHAPE(1)), true); in[1] = tg_require_grad(tg_zeros(tg, TG_SHAPE(1)), true);
    y = tg_atan2(in[0], in[1]);
    CHECK(tg_grad(&y, 1, in, 2, g, .retain_graph = true) && tg_item(g[0]) == 0 && tg_item(g[1]) == 0);
    CHECK(tg_grad(&y, 1, in, 2, g, .create_graph = true) && tg_item(g[0]) == 0 && tg_item(g[1]) == 0);
    y = tg_add(g[0], g[1]);
    CHECK(tg_grad(&y, 1, in, 2, gg) && tg_item(gg[0]) == 0 && tg_item(gg[1]) == 0);
    for (i = 0; i < 2; i++) {                                    /* a remainder by 0: the quotient's steps have no slope */
        y = i ? tg_remainder(in[0], in[1]) : tg_fmod(in[0], in[1]);
        CHECK(tg_grad(&y, 1, in, 2, g, .create_graph = true));
        y = tg_add(g[0], g[1]);
        CHECK(tg_grad(&y, 1, in, 2, gg, .allow_unused = true) && (!gg[0] || tg_item(gg[0]) == 0) && (!gg[1] || tg_item(gg[1]) == 0));
    }
    x = tg_require_grad(tg_from(tg, TG_SHAPE(4), TG_F64, far), true);
    y = tg_sum(tg_elu(x, 1.5));
    CHECK(tg_grad(&y, 1, &x, 1, g, .create_graph = true));
    y = tg_sum(g[0]);
    if (CHECK(tg_grad(&y, 1, &x, 1, gg))) {
        const double *v = (const double *)gg[0]->data;
        CHECK(((const double *)g[0]->data)[0] == 1.5 && v[0] == 0 && v[2] == 0 && v[3] == 0);
        CHECK_NEAR(v[1], 1.5 * exp(-1), 1e-15);
    }
    for (i = 0; i < 2; i++) {
        x = tg_require_grad(tg_from_f32(tg, TG_SHAPE(3), i ? tiny : wide), true);
        y = tg_std_dims(x, 0, NULL, 1, false);
        CHECK_NEAR(tg_item(y) / (i ? 1e-30 : 1e30), 1, 1e-6);
        if (CHECK(tg_grad(&y, 1, &x, 1, g))) { CHECK_NEAR(((const float *)g[0]->data)[0], -0.5, 1e-6); CHECK_NEAR(((const float *)g[0]->data)[2], 0.5, 1e-6); }
    }
    CHECK_OK(tg);
    tg_end(tg, m);
}
int main(int argc, char **argv) {
    tg_ctx *tg = test_open();
    const char *only = argc > 1 ? argv[1] : NULL;                           /* a row's or a record's name: that alone */
    int i, d, l, s;
    if (!tg) return test_end("formulas");
    for (i = 0; i < OP_ROWS; i++) {
        const row *r = &rows[i];
        if (only && !named(r, only)) continue;
        for (d = 0; d < TG_DTYPES; d++) {
            for (s = 0; s < (int)(sizeof plain_shapes / sizeof plain_shapes[0]); s++)
                for (l = 0; l < LAYS; l++) test_values(tg, r, (tg_dtype)d, &plain_shapes[s], l);
            for (l = 0; l < LAY_SPREAD; l++) test_in_place(tg, r, (tg_dtype)d, l);
        }
        for (s = 0; s < 2; s++) for (l = 0; l < LAYS; l += 1 + s) { test_values(tg, r, TG_F32, &long_shapes[s], l); if (s == 0) test_values(tg, r, l & 1 ? TG_F64 : TG_BF16, &long_shapes[s], l); }
        test_mixed(tg, r);
        test_overlap(tg, r);
        test_number(tg, r);
        test_gradient(tg, r);
        test_kinds(tg, r);
        for (d = 0; d < 4; d++) for (l = 0; l < LAYS; l += 2) test_fused(tg, r, (tg_dtype)d, l);
    }
    for (i = 0; i < (int)(sizeof ops / sizeof ops[0]); i++) {
        const char *at = ops[i].operands;
        if (only && !is(only, ops[i].op) && !is(only, ops[i].called)) continue;
        while (at) test_op(tg, &ops[i], &at);
    }
    test_edges(tg);
    test_ties(tg);
    test_nan(tg);
    test_integers(tg);
    test_promotion(tg);
    test_close(tg);
    return test_end("formulas");
}
