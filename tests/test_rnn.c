/* Recurrence: cells, layers, directions, projections and packed sequences against formulas written plainly here in double; gradients by differences; the same bits for any number of threads;
   dropout between layers, states that fade away, refusals, memory that runs out at any allocation.   run.sh flags: -Wl,--no-as-needed -lm */
#include "test.h"
#include <math.h>

static tg_ctx *tg;
enum { TANH, RELU, LSTM, GRU, KINDS };
static const char *const names[KINDS] = { "tanh", "relu", "lstm", "gru" };
static const int gates_of[KINDS] = { 1, 1, 4, 3 };
#define REFUSED(code, call, text) do { CHECK(!(call)); CHECK_MSG(strstr(tg_error_text(tg), text) != NULL, "%s", tg_error_text(tg)); CHECK_ERROR(tg, code); } while (0)
static tg_tensor *leaf(tg_tensor *t) { return tg_require_grad(t, true); }
static tg_tensor *random_of(tg_ctx *own, int ndim, const int64_t *shape, tg_dtype d) {
    double *v;
    int64_t n = 1;
    tg_tensor *t;
    int i;
    for (i = 0; i < ndim; i++) n *= shape[i];
    v = (double *)malloc((size_t)(n + 1) * sizeof *v);
    for (i = 0; i < n; i++) v[i] = test_uniform(-1, 1);
    t = tg_to(tg_from(own, ndim, shape, TG_F64, v), d);
    free(v);
    return t;
}
#define RANDOM(...) random_of(tg, TG_SHAPE(__VA_ARGS__), TG_F64)
static double *values(tg_tensor *t) {                          /* as double, row-major; the caller frees */
    double *v = (double *)calloc((size_t)(t ? t->numel : 0) + 1, sizeof *v);
    if (t) CHECK(tg_read(tg_contiguous(tg_to(t, TG_F64)), v, (size_t)t->numel * sizeof *v));
    return v;
}
static double apart(tg_tensor *t, const double *want, int64_t n) {        /* the largest difference, of numbers above 1 in parts of them */
    double *v = values(t), worst = 0;
    int64_t i;
    for (i = 0; i < n; i++) { const double d = fabs(v[i] - want[i]) / fmax(1, fabs(want[i])); if (!(d <= worst)) worst = d; }
    free(v);
    return !t || t->numel != n ? INFINITY : worst;
}
static double distance(tg_tensor *a, tg_tensor *b) { double *v = values(b), d = apart(a, v, b ? b->numel : 0); free(v); return d; }

/* ---- the reference: one layer in one direction, sequence by sequence, sum by sum ---- */
static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
typedef struct layer { int kind; int64_t T, N, I, H, P; const double *w_ih, *w_hh, *b_ih, *b_hh, *w_hr; } layer;
static bool singly;                                              /* each product, sum and result rounded to float: what the plainest loop in f32 gives */
static double rounded(double v) { volatile float f = (float)v; return singly ? (double)f : v; }
static double dot(const double *w, int64_t row, const double *x, int64_t n) { double s = 0; int64_t k; for (k = 0; k < n; k++) s = rounded(s + rounded(w[row * n + k] * x[k])); return s; }
static void one_step(const layer *l, const double *x, const double *h, const double *c, double *h_new, double *c_new) {
    double whole[64];
    int64_t j, p;
    for (j = 0; j < l->H; j++) {
        double in[4], st[4];
        int g;
        for (g = 0; g < gates_of[l->kind]; g++) {
            in[g] = rounded(dot(l->w_ih, g * l->H + j, x, l->I) + (l->b_ih ? l->b_ih[g * l->H + j] : 0));
            st[g] = rounded(dot(l->w_hh, g * l->H + j, h, l->P) + (l->b_hh ? l->b_hh[g * l->H + j] : 0));
        }
        switch (l->kind) {
            case TANH: whole[j] = tanh(in[0] + st[0]); break;
            case RELU: whole[j] = in[0] + st[0] > 0 ? in[0] + st[0] : 0; break;
            case LSTM:
                c_new[j] = sigmoid(in[1] + st[1]) * c[j] + sigmoid(in[0] + st[0]) * tanh(in[2] + st[2]);
                whole[j] = sigmoid(in[3] + st[3]) * tanh(c_new[j]);
                break;
            default: {
                const double r = sigmoid(in[0] + st[0]), z = sigmoid(in[1] + st[1]), n = tanh(in[2] + r * st[2]);
                whole[j] = (1 - z) * n + z * h[j];
            }
        }
    }
    for (p = 0; p < l->P; p++) h_new[p] = l->w_hr ? dot(l->w_hr, p, whole, l->H) : rounded(whole[p]);
}
/* y [T, N, P]; h [N, P] and c [N, H] are the first states, and then the last ones */
static void reference(const layer *l, bool reverse, const double *x, double *h, double *c, double *y) {
    int64_t s, n;
    for (s = 0; s < l->T; s++) for (n = 0; n < l->N; n++) {
        const int64_t t = reverse ? l->T - 1 - s : s;
        double hn[64], cn[64];
        one_step(l, x + (t * l->N + n) * l->I, h + n * l->P, c + n * l->H, hn, cn);
        memcpy(h + n * l->P, hn, (size_t)l->P * sizeof *h);
        if (l->kind == LSTM) memcpy(c + n * l->H, cn, (size_t)l->H * sizeof *c);
        memcpy(y + (t * l->N + n) * l->P, hn, (size_t)l->P * sizeof *y);
    }
}

/* How far the plainest loop in f32 is from it. */
static double loop_apart(const layer *l, bool reverse, const double *x, const double *h, const double *c, int64_t n_h, int64_t n_c, int64_t n_y) {
    double *own[6], d = 0;
    const double *from[6];
    const int64_t n[6] = { n_h, n_c, n_y, n_h, n_c, n_y };
    int64_t k;
    int i;
    from[0] = from[3] = h; from[1] = from[4] = c;
    for (i = 0; i < 6; i++) {
        own[i] = (double *)calloc((size_t)n[i] + 1, sizeof(double));
        if (i % 3 < 2) memcpy(own[i], from[i], (size_t)n[i] * sizeof(double));
    }
    for (i = 0; i < 2; i++) { singly = i == 1; reference(l, reverse, x, own[3 * i], own[3 * i + 1], own[3 * i + 2]); }
    singly = false;
    for (k = 0; k < n_y; k++) d = fmax(d, fabs(own[5][k] - own[2][k]) / fmax(1, fabs(own[2][k])));
    for (i = 0; i < 6; i++) free(own[i]);
    return d;
}

/* ---- calls of any kind ---- */
typedef struct call { int kind, layers, n; bool both, first, training; double dropout; const tg_packed_sequence *packed; tg_tensor *w[24], *h, *c; } call;
static tg_tensor *run(call *k, tg_tensor *x, tg_tensor *h0, tg_tensor *c0) {
    tg_lstm_args l;
    tg_gru_args g;
    memset(&l, 0, sizeof l); memset(&g, 0, sizeof g);
    l.x = g.x = x; l.h0 = g.h0 = h0; l.c0 = c0; l.weights = g.weights = k->w; l.n_weights = g.n_weights = k->n; l.num_layers = g.num_layers = k->layers; l.bidirectional = g.bidirectional = k->both;
    l.batch_first = g.batch_first = k->first; l.training = g.training = k->training; l.dropout = g.dropout = k->dropout; l.packed = g.packed = k->packed; l.h_n = g.h_n = &k->h; l.c_n = &k->c;
    return k->kind == LSTM ? tg_lstm_from(&l) : k->kind == GRU ? tg_gru_from(&g) : k->kind == TANH ? tg_rnn_tanh_from(&g) : tg_rnn_relu_from(&g);
}
static void weights(tg_ctx *own, call *k, int64_t I, int64_t H, int64_t P, bool biases, tg_dtype d) {
    const int64_t G = gates_of[k->kind] * H;
    int l, way;
    k->n = 0;
    for (l = 0; l < k->layers; l++) for (way = 0; way < (k->both ? 2 : 1); way++) {
        k->w[k->n++] = random_of(own, TG_SHAPE(G, l ? P * (k->both ? 2 : 1) : I), d);
        k->w[k->n++] = random_of(own, TG_SHAPE(G, P), d);
        if (biases) { k->w[k->n++] = random_of(own, TG_SHAPE(G), d); k->w[k->n++] = random_of(own, TG_SHAPE(G), d); }
        if (P != H) k->w[k->n++] = random_of(own, TG_SHAPE(P, H), d);
    }
}

static void test_layers(void) {
    static const int64_t sizes[][5] = { { 1, 1, 1, 1, 1 }, { 3, 2, 2, 3, 3 }, { 4, 3, 5, 17, 17 }, { 2, 5, 3, 33, 33 }, { 3, 2, 4, 8, 5 }, { 2, 0, 3, 2, 2 }, { 3, 3, 2, 64, 64 } };     /* T, N, I, H, P; the last one's weights are read in panels */
    static const tg_dtype dtypes[] = { TG_F64, TG_F32, TG_F16, TG_BF16 };
    static const double tolerance[] = { 1e-13, 3e-6, 2e-3, 2e-2 };
    int kind, s, d, way, biases;
    for (kind = 0; kind < KINDS; kind++) for (s = 0; s < 7; s++) for (d = 0; d < 4; d++) for (biases = 0; biases < 2; biases++) {
        const int64_t T = sizes[s][0], N = sizes[s][1], I = sizes[s][2], H = sizes[s][3], P = sizes[s][4];
        double near = tolerance[d] * (kind == RELU ? 4 : 1);            /* nothing bounds its sums */
        tg_mark m = tg_begin(tg);
        tg_tensor *x = random_of(tg, TG_SHAPE(T, N, I), dtypes[d]), *h0 = random_of(tg, TG_SHAPE(2, N, P), dtypes[d]), *c0 = random_of(tg, TG_SHAPE(2, N, H), dtypes[d]), *y;
        double *vx = values(x), *vh = values(h0), *vc = values(c0), *vy = (double *)calloc((size_t)(T * N * P) + 1, sizeof *vy);
        call k;
        if (P != H && kind != LSTM) { free(vx); free(vh); free(vc); free(vy); tg_end(tg, m); continue; }
        memset(&k, 0, sizeof k);
        k.kind = kind; k.layers = 1; k.both = true;
        weights(tg, &k, I, H, P, biases, dtypes[d]);
        y = run(&k, x, h0, kind == LSTM ? c0 : NULL);
        CHECK_OK(tg);
        if (!y) { tg_clear(tg); tg_end(tg, m); continue; }
        CHECK(y->dtype == dtypes[d] && k.h->dtype == dtypes[d] && (kind != LSTM) == (k.c == NULL));
        for (way = 0; way < 2; way++) {
            layer l;
            double *w[5] = { NULL, NULL, NULL, NULL, NULL };
            const int each = k.n / 2;
            int i;
            for (i = 0; i < each; i++) w[i] = values(k.w[way * each + i]);
            memset(&l, 0, sizeof l);
            l.kind = kind; l.T = T; l.N = N; l.I = I; l.H = H; l.P = P; l.w_ih = w[0]; l.w_hh = w[1]; l.b_ih = biases ? w[2] : NULL; l.b_hh = biases ? w[3] : NULL; l.w_hr = P != H ? w[each - 1] : NULL;
            if (dtypes[d] == TG_F32) near = fmax(near, 2 * loop_apart(&l, way == 1, vx, vh + way * N * P, vc + way * N * H, N * P, N * H, T * N * P));
            reference(&l, way == 1, vx, vh + way * N * P, vc + way * N * H, vy);
            CHECK_MSG(apart(tg_narrow(y, 2, way * P, P), vy, T * N * P) <= near, "%s of %s, sizes %d, way %d: %g", names[kind], tg_dtype_name(dtypes[d]), s, way, apart(tg_narrow(y, 2, way * P, P), vy, T * N * P));
            for (i = 0; i < 5; i++) free(w[i]);
        }
        CHECK(apart(k.h, vh, 2 * N * P) <= near);
        if (kind == LSTM) CHECK(apart(k.c, vc, 2 * N * H) <= 2 * near);
        free(vx); free(vh); free(vc); free(vy);
        tg_end(tg, m);
    }
}

/* Layers on layers are what calls one after another give; so are the other orders of dimensions, and states that are not given. */
static void test_stacked(void) {
    int kind, i;
    for (kind = 0; kind < KINDS; kind++) {
        tg_mark m = tg_begin(tg);
        const int64_t H = 6, P = kind == LSTM ? 4 : 6;
        tg_tensor *x = RANDOM(4, 3, 5), *y, *z, *h0 = RANDOM(4, 3, P), *c0 = kind == LSTM ? RANDOM(4, 3, H) : NULL, *h;
        call k, one;
        int each;
        memset(&k, 0, sizeof k);
        k.kind = kind; k.layers = 2; k.both = true;
        weights(tg, &k, 5, H, P, true, TG_F64);
        y = run(&k, x, h0, c0);
        h = k.h;
        one = k; one.layers = 1; one.n = each = k.n / 2;
        z = run(&one, x, tg_narrow(h0, 0, 0, 2), c0 ? tg_narrow(c0, 0, 0, 2) : NULL);
        CHECK(distance(tg_narrow(h, 0, 0, 2), one.h) == 0);
        memcpy(one.w, k.w + each, sizeof one.w - sizeof *one.w * (size_t)each);
        z = run(&one, z, tg_narrow(h0, 0, 2, 2), c0 ? tg_narrow(c0, 0, 2, 2) : NULL);
        CHECK(distance(y, z) == 0 && distance(tg_narrow(h, 0, 2, 2), one.h) == 0);
        /* dropout of everything between the layers; none outside of training, none behind the last layer */
        k.dropout = 1; k.training = true;
        y = run(&k, x, h0, c0);
        z = run(&one, tg_zeros_like(z), tg_narrow(h0, 0, 2, 2), c0 ? tg_narrow(c0, 0, 2, 2) : NULL);
        CHECK(distance(y, z) == 0);
        k.training = false;
        CHECK(distance(run(&k, x, h0, c0), y) > 1e-3);
        k.dropout = 0.5; k.training = true;
        CHECK(distance(run(&k, x, h0, c0), run(&k, x, h0, c0)) > 1e-3);
        k.dropout = 0; k.training = false;
        y = run(&k, x, h0, c0);
        /* batch first; strided operands */
        k.first = true;
        CHECK(distance(tg_transpose(run(&k, tg_transpose(x, 0, 1), h0, c0), 0, 1), y) == 0);
        CHECK(distance(tg_transpose(run(&k, tg_contiguous(tg_transpose(x, 0, 1)), h0, c0), 0, 1), y) == 0);
        k.first = false;
        for (i = 0; i < k.n; i++) {
            tg_tensor *w = k.w[i], *t = tg_contiguous(tg_flip(w, TG_DIMS(-1)));
            one.w[i] = w->ndim == 2 ? tg_t(tg_contiguous(tg_t(w))) : tg_slice_dim(t, 0, INT64_MAX, INT64_MIN, -1);
        }
        one.n = k.n; one.layers = 2;
        CHECK(distance(run(&one, x, tg_transpose(tg_contiguous(tg_transpose(h0, 0, 2)), 0, 2), c0), y) <= 1e-13);
        /* no states are zeros; one sequence alone */
        CHECK(distance(run(&k, x, NULL, NULL), run(&k, x, tg_zeros_like(h0), c0 ? tg_zeros_like(c0) : NULL)) == 0);
        y = run(&k, tg_contiguous(tg_narrow(x, 1, 1, 1)), tg_narrow(h0, 1, 1, 1), c0 ? tg_narrow(c0, 1, 1, 1) : NULL);
        h = k.h;
        z = run(&k, tg_select(x, 1, 1), tg_select(h0, 1, 1), c0 ? tg_select(c0, 1, 1) : NULL);
        CHECK(z && z->ndim == 2 && k.h->ndim == 2 && distance(tg_squeeze(y, 1), z) == 0 && distance(tg_squeeze(h, 1), k.h) == 0);
        CHECK_OK(tg);
        tg_end(tg, m);
    }
}

/* A cell is a step of a sequence. */
static void test_cells(void) {
    int kind, row, biases;
    for (kind = 0; kind < KINDS; kind++) for (row = 0; row < 2; row++) for (biases = 0; biases < 2; biases++) {
        tg_mark m = tg_begin(tg);
        tg_tensor *x = RANDOM(1, 3, 5), *h0 = RANDOM(1, 3, 6), *c0 = RANDOM(1, 3, 6), *h, *c = NULL, *xs, *hs, *cs;
        call k;
        memset(&k, 0, sizeof k);
        k.kind = kind; k.layers = 1;
        weights(tg, &k, 5, 6, 6, biases, TG_F64);
        (void)run(&k, x, h0, kind == LSTM ? c0 : NULL);
        xs = tg_select(x, 0, 0); hs = tg_select(h0, 0, 0); cs = tg_select(c0, 0, 0);
        if (row) { xs = tg_select(xs, 0, 1); hs = tg_select(hs, 0, 1); cs = tg_select(cs, 0, 1); }
        if (kind == LSTM) h = tg_lstm_cell(xs, hs, cs, k.w[0], k.w[1], k.w[2], k.w[3], &c);
        else h = (kind == GRU ? (tg_gru_cell) : kind == TANH ? (tg_rnn_tanh_cell) : (tg_rnn_relu_cell))(xs, hs, k.w[0], k.w[1], k.w[2], k.w[3]);
        CHECK(distance(h, row ? tg_select(tg_select(k.h, 0, 0), 0, 1) : tg_select(k.h, 0, 0)) <= 1e-14);
        if (kind == LSTM) CHECK(distance(c, row ? tg_select(tg_select(k.c, 0, 0), 0, 1) : tg_select(k.c, 0, 0)) <= 1e-14);
        if (kind == LSTM) CHECK(distance(tg_lstm_cell(xs, NULL, NULL, k.w[0], k.w[1], k.w[2], k.w[3], NULL), tg_lstm_cell(xs, tg_zeros_like(hs), tg_zeros_like(cs), k.w[0], k.w[1], k.w[2], k.w[3], NULL)) == 0);
        CHECK_OK(tg);
        tg_end(tg, m);
    }
}

/* Packed: each sequence as if it were alone. */
static void test_packed(void) {
    static const int64_t lengths[][4] = { { 2, 5, 1, 5 }, { 5, 5, 5, 5 }, { 1, 1, 1, 1 }, { 5, 4, 2, 1 } };
    int kind, s, first, i;
    for (kind = 0; kind < KINDS; kind++) for (s = 0; s < 4; s++) for (first = 0; first < 2; first++) {
        tg_mark m = tg_begin(tg);
        const int64_t longest = s == 2 ? 1 : 5, P = kind == LSTM ? 2 : 3;
        tg_tensor *x = RANDOM(6, 4, 2), *h0 = RANDOM(4, 4, P), *c0 = kind == LSTM ? RANDOM(4, 4, 3) : NULL, *data, *y, *h, *c, *count = NULL;
        tg_packed_sequence p;
        call k;
        memset(&k, 0, sizeof k);
        k.kind = kind; k.layers = 2; k.both = true;
        weights(tg, &k, 2, 3, P, s != 1, TG_F64);
        CHECK(tg_pack_padded_sequence(first ? tg_transpose(x, 0, 1) : x, tg_from(tg, TG_SHAPE(4), TG_I64, lengths[s]), first, s == 3, &p));
        CHECK(p.batch_sizes->shape[0] == longest && (p.sorted_indices == NULL) == (s == 3) && (p.unsorted_indices == NULL) == (s == 3));
        k.packed = &p;
        data = run(&k, p.data, h0, c0);
        h = k.h; c = k.c;
        y = tg_pad_packed_sequence(data, &p, first, 9, 7, &count);
        if (!CHECK(y != NULL)) { printf("%s\n", tg_error_text(tg)); tg_clear(tg); tg_end(tg, m); continue; }
        if (first) y = tg_transpose(y, 0, 1);
        CHECK(y->shape[0] == 7 && y->shape[1] == 4 && y->shape[2] == 2 * P);
        k.packed = NULL;
        for (i = 0; i < 4; i++) {
            tg_tensor *alone = run(&k, tg_narrow(tg_narrow(x, 1, i, 1), 0, 0, lengths[s][i]), tg_narrow(h0, 1, i, 1), c0 ? tg_narrow(c0, 1, i, 1) : NULL);
            const int64_t at[1] = { i };
            CHECK(tg_get(count, at) == (double)lengths[s][i]);
            CHECK(distance(tg_narrow(tg_narrow(y, 1, i, 1), 0, 0, lengths[s][i]), alone) <= 1e-14);
            CHECK(distance(tg_narrow(h, 1, i, 1), k.h) <= 1e-14);
            if (c0) CHECK(distance(tg_narrow(c, 1, i, 1), k.c) <= 1e-14);
            CHECK(tg_item(tg_amin(tg_narrow(tg_select(y, 1, i), 0, lengths[s][i], 7 - lengths[s][i]))) == 9 && tg_item(tg_amax(tg_narrow(tg_select(y, 1, i), 0, lengths[s][i], 7 - lengths[s][i]))) == 9);
        }
        CHECK_OK(tg);
        tg_end(tg, m);
    }
}
/* The numbers of a small one, and its ways to be refused. */
static void test_packing(void) {
    static const int64_t lengths[3] = { 1, 3, 2 }, growing[3] = { 1, 2, 3 }, falling[3] = { 3, 2, 2 }, nothing[3] = { 2, 1, 0 }, much[3] = { 4, 1, 1 }, wrong[2] = { 1, 2 };
    static const double data[6] = { 10, 20, 0, 11, 21, 12 }, places[3] = { 1, 2, 0 }, back[3] = { 2, 0, 1 }, sizes[3] = { 3, 2, 1 };
    const double v[9] = { 0, 1, 2, 10, 11, 12, 20, 21, 22 };
    tg_tensor *x = leaf(tg_from(tg, TG_SHAPE(3, 3), TG_F64, v)), *y, *g = NULL, *l;        /* [N, T]: sequence n has 10 n + t at t */
    tg_packed_sequence p, q;
    CHECK(tg_pack_padded_sequence(x, tg_from(tg, TG_SHAPE(3), TG_I64, lengths), true, false, &p));
    CHECK(apart(p.data, data, 6) == 0 && apart(p.batch_sizes, sizes, 3) == 0 && apart(p.sorted_indices, places, 3) == 0 && apart(p.unsorted_indices, back, 3) == 0);
    y = tg_pad_packed_sequence(p.data, &p, true, -1, 0, &l);
    { static const double want[9] = { 0, -1, -1, 10, 11, 12, 20, 21, -1 }; CHECK(apart(y, want, 9) == 0 && y->shape[0] == 3); }
    y = tg_sum(tg_square(y));
    { static const double want[9] = { 0, 0, 0, 20, 22, 24, 40, 42, 0 }; CHECK(tg_grad(&y, 1, &x, 1, &g) && apart(g, want, 9) == 0); }
    CHECK_OK(tg);
    CHECK(tg_pack_padded_sequence(x, tg_from(tg, TG_SHAPE(3), TG_I64, falling), false, true, &p) && !p.sorted_indices && p.data->shape[0] == 7);
#define PACK(lengths_, n, first, enforce) tg_pack_padded_sequence(x, tg_from(tg, TG_SHAPE(n), TG_I64, lengths_), first, enforce, &q)
    REFUSED(TG_ERROR_VALUE, PACK(growing, 3, false, true), "pack_padded_sequence: the lengths must not grow");
    REFUSED(TG_ERROR_VALUE, PACK(nothing, 3, false, true), "pack_padded_sequence: length 0: expected 1 to 3");
    REFUSED(TG_ERROR_VALUE, PACK(much, 3, false, true), "length 4: expected 1 to 3");
    REFUSED(TG_ERROR_SHAPE, PACK(wrong, 2, false, true), "lengths is i64[2], expected i64 [3]");
    CHECK(!q.data && !q.batch_sizes);
    REFUSED(TG_ERROR_SHAPE, tg_pack_padded_sequence(x, tg_ones(tg, TG_SHAPE(3)), false, true, &q), "lengths is f32[3], expected i64 [3]");
    REFUSED(TG_ERROR_SHAPE, tg_pack_padded_sequence(tg_ones(tg, TG_SHAPE(3)), p.batch_sizes, false, true, &q), "expected [T, N, ...]");
    REFUSED(TG_ERROR_NULL, tg_pack_padded_sequence(x, NULL, false, true, &q), "pack_padded_sequence: operand 1 is NULL");
    REFUSED(TG_ERROR_NULL, tg_pack_padded_sequence(x, tg_from(tg, TG_SHAPE(3), TG_I64, falling), false, true, NULL), "no place");
    REFUSED(TG_ERROR_VALUE, tg_pad_packed_sequence(p.data, &p, false, 0, 2, NULL), "pad_packed_sequence: total_length 2 is less than the longest sequence has, 3");
    REFUSED(TG_ERROR_VALUE, tg_pad_packed_sequence(p.data, &p, false, 0, -1, NULL), "total_length");
    REFUSED(TG_ERROR_SHAPE, tg_pad_packed_sequence(x, &p, false, 0, 0, NULL), "the packed data is f64[3, 3]; batch_sizes expects 7 rows");
    REFUSED(TG_ERROR_NULL, tg_pad_packed_sequence(p.data, NULL, false, 0, 0, NULL), "no packed sequence");
    q = p; q.batch_sizes = tg_from(tg, TG_SHAPE(3), TG_I64, growing);
    REFUSED(TG_ERROR_VALUE, tg_pad_packed_sequence(p.data, &q, false, 0, 0, NULL), "batch_sizes must be above 0 and not grow; element 1 is 2");
#undef PACK
}

/* ---- gradients, of everything to everything, by differences ---- */
static bool everything(void *user, tg_tensor *const *in, int n, tg_tensor **out, int m) {
    call k = *(const call *)user;
    tg_tensor *y;
    (void)m;
    memcpy(k.w, in + 3, (size_t)(n - 3) * sizeof *in);
    y = run(&k, in[0], in[1], k.kind == LSTM ? in[2] : NULL);
    if (!y) return false;
    y = tg_add(tg_sum(tg_mul(y, tg_sin(y))), tg_sum(tg_mul(k.h, tg_add_scalar(k.h, 1))));
    out[0] = k.kind == LSTM ? tg_add(y, tg_sum(tg_mul(k.c, k.c))) : tg_add(y, tg_sum(tg_mul(in[2], in[2])));
    return out[0] != NULL;
}
static void test_gradients(void) {
    int kind, packed;
    for (kind = 0; kind < KINDS; kind++) for (packed = 0; packed < 2; packed++) {
        static const int64_t lengths[2] = { 1, 3 };
        tg_mark m = tg_begin(tg);
        const int64_t H = 2, P = kind == LSTM ? 1 : 2;
        tg_tensor *in[30];
        tg_packed_sequence p;
        tg_function_call c;
        call k;
        memset(&k, 0, sizeof k); memset(&c, 0, sizeof c);
        k.kind = kind; k.layers = packed ? 1 : 2; k.both = packed;
        weights(tg, &k, 2, H, P, true, TG_F64);
        in[0] = RANDOM(3, 2, 2); in[1] = RANDOM(2, 2, P); in[2] = RANDOM(2, 2, H);
        if (packed) { CHECK(tg_pack_padded_sequence(in[0], tg_from(tg, TG_SHAPE(2), TG_I64, lengths), false, false, &p)); in[0] = p.data; k.packed = &p; }
        memcpy(in + 3, k.w, (size_t)k.n * sizeof *in);
        c.f = everything; c.user = &k; c.inputs = in; c.n_inputs = 3 + k.n; c.n_outputs = 1;
        CHECK_MSG(tg_gradcheck(&c, .atol = 1e-6, .rtol = 1e-5, .second = kind != RELU), "%s, packed %d: %s", names[kind], packed, tg_error_text(tg));
        tg_clear(tg);
        tg_end(tg, m);
    }
}
/* The derivative by steps is the one of the composition, which is taken where it is differentiated again; and a tensor that is several operands gets the sum. */
static void test_roads(void) {
    int kind, wide, i;
    for (kind = 0; kind < KINDS; kind++) for (wide = 0; wide < 2; wide++) {
        const int64_t H = wide ? 192 : 19;                           /* the wide one's weights are read in panels, both ways */
        tg_mark m = tg_begin(tg);
        tg_tensor *x = leaf(random_of(tg, TG_SHAPE(5, 3, 7), TG_F32)), *y, *in[30], *a[30], *b[30], *bias, *h;
        call k;
        memset(&k, 0, sizeof k);
        k.kind = kind; k.layers = 1; k.both = true;
        weights(tg, &k, 7, H, H, true, TG_F32);
        for (i = 0; wide && i < k.n; i++) k.w[i] = tg_mul_scalar(k.w[i], 0.2);
        bias = leaf(k.w[2]); k.w[3] = bias; k.w[6] = bias;
        h = leaf(random_of(tg, TG_SHAPE(2, 3, H), TG_F32));
        for (i = 0; i < k.n; i++) in[i] = leaf(k.w[i]);
        in[k.n] = x; in[k.n + 1] = h;
        y = run(&k, x, h, kind == LSTM ? h : NULL);
        y = tg_sum(tg_mul(tg_sin(y), tg_sum_dims(k.h, TG_DIMS(0, 1, 2), false)));
        CHECK(tg_grad(&y, 1, in, k.n + 2, a, .retain_graph = true) && tg_grad(&y, 1, in, k.n + 2, b, .create_graph = true));
        for (i = 0; i < k.n + 2; i++) CHECK_MSG(distance(a[i], b[i]) <= 1e-5 * (1 + tg_item(tg_max(tg_abs(b[i])))), "%s, gradient %d: %g", names[kind], i, distance(a[i], b[i]));
        CHECK_OK(tg);
        tg_end(tg, m);
    }
}

/* ---- the same bits for any number of threads and every instruction set's own kernels near the plain ones ---- */
static uint64_t bits_with(int threads, bool strict, tg_isa isa, int kind, double *sum) {
    tg_config c = test_config(NULL);
    tg_ctx *own;
    uint64_t hash = 0;
    tg_tensor *x, *y, *s;
    call k;
    int i;
    c.strict = strict; c.isa = isa;
    test_random_state = 77;
    own = tg_open(&c);
    if (!own) return 0;
    if (!tg_threads(own, threads)) tg_clear(own);
    memset(&k, 0, sizeof k);
    k.kind = kind; k.layers = 2; k.both = true;
    weights(own, &k, 40, 70, 70, true, TG_F32);
    for (i = 0; i < k.n; i++) (void)leaf(k.w[i]);
    x = leaf(random_of(own, TG_SHAPE(6, 70, 40), TG_F32));
    y = run(&k, x, NULL, NULL);
    CHECK(tg_backward(tg_sum(tg_mul(y, y))));
    s = tg_contiguous(tg_grad_of(x));
    hash = test_hash(test_hash(0, y->data, (size_t)y->numel * 4), s->data, (size_t)s->numel * 4);
    for (i = 0; i < k.n; i++) { s = tg_contiguous(tg_grad_of(k.w[i])); hash = test_hash(hash, s->data, (size_t)s->numel * 4); }
    *sum = tg_item(tg_sum(tg_to(y, TG_F64)));
    CHECK_OK(own);
    tg_close(own);
    return hash;
}
static void test_same_bits(void) {
    int kind;
    for (kind = 0; kind < KINDS; kind++) {
        double one, other;
        const uint64_t h = bits_with(1, false, TG_ISA_BEST, kind, &one);
        CHECK(h == bits_with(2, false, TG_ISA_BEST, kind, &other) && one == other);
        CHECK(h == bits_with(5, false, TG_ISA_BEST, kind, &other));
        (void)bits_with(1, false, TG_ISA_PLAIN, kind, &other);
        CHECK_NEAR(one, other, 1e-4 * (1 + fabs(one)));
    }
}
/* What fades away is 0 before it is denormal, in strict mode too where there is one. */
static void test_fading(void) {
    int strict, kind;
    for (strict = 0; strict < 2; strict++) for (kind = 0; kind < 2; kind++) {
        tg_config c = test_config(NULL);
        tg_ctx *own;
        tg_tensor *w[2], *y, *x, *h0, *g = NULL;
        c.strict = strict;
        own = tg_open(&c);
        if (!own) continue;                                          /* no fused multiply-add, no strict mode */
        w[0] = tg_ones(own, TG_SHAPE(1, 1)); w[1] = tg_full(own, TG_SHAPE(1, 1), 1e-20, TG_F32);
        x = tg_zeros(own, TG_SHAPE(3, 1, 1)); h0 = leaf(tg_full(own, TG_SHAPE(1, 1, 1), 0.5, TG_F32));
        y = kind ? tg_rnn_tanh(x, h0, w, 2) : tg_rnn_relu(x, h0, w, 2);
        CHECK(((float *)y->data)[0] > 4e-21f && ((float *)y->data)[1] == 0 && ((float *)y->data)[2] == 0);
        x = tg_sum(tg_select(y, 0, 2));
        CHECK(tg_grad(&x, 1, &h0, 1, &g) && ((float *)g->data)[0] == 0);
        CHECK_OK(own);
        tg_close(own);
    }
}

static void test_refusals(void) {
    tg_tensor *x = RANDOM(4, 3, 5), *h = RANDOM(1, 3, 6), *row = RANDOM(3, 5), *w[8], *bad[8], *out = NULL, *cell = NULL;
    tg_packed_sequence p;
    call k;
    memset(&k, 0, sizeof k); memset(&p, 0, sizeof p);
    k.kind = LSTM; k.layers = 1;
    weights(tg, &k, 5, 6, 6, true, TG_F64);
    memcpy(w, k.w, sizeof w); memcpy(bad, w, sizeof bad);
    REFUSED(TG_ERROR_NULL, tg_lstm(NULL, NULL, NULL, w, 4), "lstm: operand 0 is NULL");
    REFUSED(TG_ERROR_NULL, tg_lstm(x, NULL, NULL, NULL, 0), "lstm: no weights given");
    bad[1] = NULL;
    REFUSED(TG_ERROR_NULL, tg_lstm(x, NULL, NULL, bad, 4), "lstm: operand 4 is NULL");
    CHECK(!tg_lstm(NULL, NULL, NULL, NULL, 0));
    REFUSED(TG_ERROR_VALUE, tg_lstm(x, NULL, NULL, w, 4, .num_layers = 2, .bidirectional = true), "lstm: 4 weights for 2 layers in 2 directions; expected for each w_ih, w_hh");
    REFUSED(TG_ERROR_VALUE, tg_gru(x, NULL, w, 3), "gru: 3 weights for 1 layers in 1 directions");
    REFUSED(TG_ERROR_VALUE, tg_gru(x, NULL, w, 4, .num_layers = -1), "gru: num_layers: expected at least 1, got -1");
    REFUSED(TG_ERROR_VALUE, tg_lstm(x, NULL, NULL, w, 4, .dropout = 1.5), "lstm: probability 1.5 is not between 0 and 1");
    REFUSED(TG_ERROR_SHAPE, tg_lstm(tg_select(row, 0, 0), NULL, NULL, w, 4), "lstm: x is f64[5], expected [T, N, I] or [T, I]");
    REFUSED(TG_ERROR_SHAPE, tg_lstm(tg_narrow(x, 2, 0, 4), NULL, NULL, w, 4), "lstm: w_ih is f64[24, 5], expected [24, 4]");
    REFUSED(TG_ERROR_SHAPE, tg_gru(x, NULL, w, 4), "gru: w_hh is f64[24, 6], expected [24, 8]");
    REFUSED(TG_ERROR_SHAPE, tg_lstm(x, RANDOM(2, 3, 6), NULL, w, 4, .h_n = &out), "lstm: h0 is f64[2, 3, 6], expected [1, 3, 6]");
    REFUSED(TG_ERROR_SHAPE, tg_lstm(x, h, RANDOM(1, 4, 6), w, 4), "lstm: c0 is f64[1, 4, 6], expected [1, 3, 6]");
    REFUSED(TG_ERROR_SHAPE, tg_lstm(tg_select(x, 1, 0), h, NULL, w, 4), "lstm: h0 is f64[1, 3, 6], expected [1, 6]");
    REFUSED(TG_ERROR_DTYPE, tg_lstm(tg_to(x, TG_F32), NULL, NULL, w, 4), "lstm: x is f32 and w_ih is f64[24, 5]; tg_to one of them");
    REFUSED(TG_ERROR_DTYPE, tg_lstm(tg_to(x, TG_I64), NULL, NULL, w, 4), "lstm: expected a floating type");
    REFUSED(TG_ERROR_DTYPE, tg_lstm(x, tg_to(h, TG_F32), NULL, w, 4), "lstm: x is f64 and h0 is f32[1, 3, 6]");
    REFUSED(TG_ERROR_VALUE, tg_lstm(tg_narrow(x, 0, 0, 0), NULL, NULL, w, 4), "lstm: the sequence has no steps");
    REFUSED(TG_ERROR_SHAPE, tg_lstm(x, NULL, NULL, w, 4, .packed = &p), "lstm: x is f64[4, 3, 5], expected [R, I], the data of the packed sequence");
    REFUSED(TG_ERROR_NULL, tg_lstm(row, NULL, NULL, w, 4, .packed = &p), "lstm: no batch_sizes of the packed sequence given");
    bad[1] = w[1]; bad[2] = RANDOM(23);
    REFUSED(TG_ERROR_SHAPE, tg_lstm(x, NULL, NULL, bad, 4), "lstm: b_ih is f64[23], expected [24]");
    bad[0] = RANDOM(23, 5);
    REFUSED(TG_ERROR_SHAPE, tg_lstm(x, NULL, NULL, bad, 4), "lstm: w_ih is f64[23, 5]; its rows must be a multiple of 4");
    REFUSED(TG_ERROR_SHAPE, tg_lstm_cell(x, NULL, NULL, w[0], w[1], w[2], w[3], &cell), "lstm_cell: x is f64[4, 3, 5], expected [N, I] or [I]");
    REFUSED(TG_ERROR_SHAPE, tg_lstm_cell(row, row, NULL, w[0], w[1], w[2], w[3], &cell), "lstm_cell: h is f64[3, 5], expected [3, 6]");
    REFUSED(TG_ERROR_NULL, tg_lstm_cell(row, NULL, NULL, w[0], NULL, w[2], w[3], &cell), "lstm_cell: operand 2 is NULL");
    REFUSED(TG_ERROR_SHAPE, tg_gru_cell(row, NULL, w[0], w[1], NULL, NULL), "gru_cell: w_hh is f64[24, 6], expected [24, 8]");
    CHECK(!out && !cell);
    tg_backward(tg_sum(tg_lstm(leaf(x), NULL, NULL, w, 4)));                  /* and all is well again */
    CHECK_OK(tg);
}

/* relu's derivative where a state is NaN is that of tg_relu, with and without a graph. */
static void test_not_a_number(void) {
    int graph;
    for (graph = 0; graph < 2; graph++) {
        tg_tensor *w = tg_ones(tg, TG_SHAPE(1, 1)), *x = leaf(tg_full(tg, TG_SHAPE(1, 1), NAN, TG_F32)), *y = tg_rnn_relu_cell(x, NULL, w, w, NULL, NULL), *g = NULL;
        CHECK(tg_grad(&y, 1, &x, 1, &g, .create_graph = graph) && tg_item(g) == 1);
    }
    CHECK_OK(tg);
}

/* Every allocation fails in turn, forwards and back; a second call asks the host for none. */
static void test_memory(void) {
    static const int64_t lengths[2] = { 2, 3 };
    test_heap heap;
    int kind, packed;
    memset(&heap, 0, sizeof heap);
    for (kind = 0; kind < KINDS; kind++) for (packed = 0; packed < 2; packed++) {
        for (heap.fail_at = 1; ; heap.fail_at++) {
            tg_ctx *own = test_open_heap(&heap);
            if (own) {
                tg_packed_sequence p;
                tg_tensor *x, *y = NULL;
                call k;
                bool ok = true;
                int i;
                memset(&k, 0, sizeof k);
                k.kind = kind; k.layers = 2; k.both = true;
                weights(own, &k, 2, 40, kind == LSTM ? 3 : 40, true, TG_F32);
                for (i = 0; i < k.n; i++) (void)tg_require_grad(k.w[i], true);
                x = random_of(own, TG_SHAPE(3, 2, 2), TG_F32);
                if (packed) { ok = tg_pack_padded_sequence(x, tg_from(own, TG_SHAPE(2), TG_I64, lengths), false, false, &p); k.packed = &p; x = ok ? p.data : NULL; }
                ok = ok && !tg_failed(own);
                if (ok) { y = run(&k, x, NULL, NULL); ok = y && tg_backward(tg_sum(y)); }
                CHECK_MSG(ok ? !tg_failed(own) : tg_error(own) == TG_ERROR_MEMORY, "%s, packed %d, allocation %ld: %s", names[kind], packed, heap.fail_at, tg_error_text(own));
                CHECK(ok || !tg_failed(own) || !k.h || y);
                tg_close(own);
            }
            if (!test_heap_ended(&heap)) break;
        }
    }
    heap.fail_at = 0;
    for (kind = 0; kind < KINDS; kind++) {
        tg_ctx *own = test_open_heap(&heap);
        call k;
        tg_tensor *x;
        long calls = 0;
        int i, turn;
        memset(&k, 0, sizeof k);
        k.kind = kind; k.layers = 2;
        weights(own, &k, 20, 50, 50, true, TG_F32);
        for (i = 0; i < k.n; i++) (void)tg_require_grad(k.w[i], true);
        x = random_of(own, TG_SHAPE(9, 4, 20), TG_F32);
        for (turn = 0; turn < 30; turn++) {
            tg_mark m = tg_begin(own);
            if (turn == 20) calls = heap.calls;              /* the ring of ended headers is full */
            CHECK(tg_backward(tg_sum(run(&k, x, NULL, NULL))));
            for (i = 0; i < k.n; i++) tg_zero_grad(k.w[i]);
            tg_end(own, m);
        }
        CHECK_INT(heap.calls, calls);
        tg_close(own);
        (void)test_heap_ended(&heap);
    }
}

int main(void) {
    tg_config c = test_config(NULL);
    tg = tg_open(&c);
    if (!tg) return 1;
    test_layers();
    test_stacked();
    test_cells();
    test_packed();
    test_packing();
    test_gradients();
    test_roads();
    test_same_bits();
    test_fading();
    test_not_a_number();
    test_refusals();
    test_memory();
    tg_close(tg);
    return test_end("rnn");
}
