/* Datasets, batches, gathering ahead, IDX, CSV, text, whole runs in files: rows and bits, refusals, hostile files, every failing allocation, a save that is killed at any byte.
   cc tests/test_data.c -o test_data -lm -lpthread && ./test_data */
#include "test.h"
#if defined(__unix__) || defined(__APPLE__)
#include <signal.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>
#define HAS_FORK 1
#endif

static bool has_text(tg_ctx *tg, const char *what) { return strstr(tg_error_text(tg), what) != NULL; }
#define CHECK_SAYS(tg, code, what) (CHECK_MSG(has_text(tg, what), "'%s' does not say '%s'", tg_error_text(tg), what), CHECK_ERROR(tg, code))

/* x [n, 3] with 10 i + k in element k of row i, y [n] i64 with i. */
static tg_data *counted(tg_ctx *tg, int64_t n, const tg_data_args *more) {
    tg_data_args a;
    tg_tensor *t[2];
    int64_t i;
    t[0] = tg_empty(tg, TG_SHAPE(n, 3), TG_F32); t[1] = tg_empty(tg, TG_SHAPE(n), TG_I64);
    for (i = 0; t[0] && t[1] && i < n; i++) {
        int k;
        for (k = 0; k < 3; k++) ((float *)t[0]->data)[3 * i + k] = (float)(10 * i + k);
        ((int64_t *)t[1]->data)[i] = i;
    }
    a = *more;
    a.tensors = t; a.n_tensors = 2;
    return tg_data_from(&a);
}
static tg_data_args batches_of(int64_t n) {
    tg_data_args a;
    memset(&a, 0, sizeof a);
    a.batch = n;
    return a;
}

/* Every epoch is a permutation, each another one; any step may be asked for first. */
static void permutations(tg_ctx *tg) {
    static const int64_t sizes[] = { 1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 100, 1000, 1023, 1025 };
    size_t s;
    for (s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        tg_mark m = tg_begin(tg);
        const int64_t n = sizes[s];
        tg_data_args a = batches_of(4);
        tg_data *d;
        int epoch, same = 0;
        int *seen = (int *)malloc((size_t)n * sizeof *seen);
        int64_t *before = (int64_t *)calloc((size_t)n, sizeof *before);
        a.shuffle = true; a.seed = 7;
        d = counted(tg, n, &a);
        CHECK(d && tg_data_rows(d) == n && tg_data_steps(d) == (n + 3) / 4);
        for (epoch = 0; epoch < 3; epoch++) {
            int64_t step, i, at = 0;
            bool once = true;
            memset(seen, 0, (size_t)n * sizeof *seen);
            for (step = 0; step < tg_data_steps(d); step++) for (i = 0; i < 4; i++) {
                const int64_t row = tg_data_row(d, epoch * tg_data_steps(d) + step, i);
                if (row < 0) { once = once && step * 4 + i >= n; continue; }
                once = once && row < n && !seen[row]++;
                if (epoch > 0 && before[at] == row) same++;
                before[at++] = row;
            }
            CHECK_MSG(once && at == n, "epoch %d of %d rows is no permutation", epoch, (int)n);
        }
        if (n > 8) CHECK_MSG(same < 12, "%d of %d rows stand where they stood before", same, (int)n);
        free(seen); free(before);
        tg_data_free(d);
        tg_end(tg, m);
    }
}
/* The 24 orders of 4 rows come about equally often; so do the places of a row among 1000. */
static void fairness(tg_ctx *tg) {
    tg_data_args a = batches_of(4);
    tg_data *d;
    int count[256], orders = 0, worst = 0, best = 1 << 30, i;
    int64_t step;
    a.shuffle = true;
    memset(count, 0, sizeof count);
    d = counted(tg, 4, &a);
    for (step = 0; step < 24000; step++) {
        int code = 0;
        for (i = 0; i < 4; i++) code = code * 4 + (int)tg_data_row(d, step, i);
        count[code]++;
    }
    for (i = 0; i < 256; i++) if (count[i]) { orders++; if (count[i] > worst) worst = count[i]; if (count[i] < best) best = count[i]; }
    CHECK_INT(orders, 24);
    CHECK_MSG(worst < 1150 && best > 850, "orders of 4 came %d to %d times of 1000", best, worst);
    tg_data_free(d);
    a.batch = 1000;
    d = counted(tg, 1000, &a);
    memset(count, 0, sizeof count);
    for (step = 0; step < 2000; step++) count[tg_data_row(d, step, 0) / 125]++;
    for (i = 0; i < 8; i++) CHECK_MSG(count[i] > 190 && count[i] < 310, "an eighth came first %d times of 250", count[i]);
    tg_data_free(d);
}
static void sequential(tg_ctx *tg) {
    tg_mark m = tg_begin(tg);
    tg_data_args a = batches_of(4);
    tg_tensor *x, *y;
    tg_data *d = counted(tg, 10, &a);
    CHECK(tg_batch(d, 0, &x, &y) && x->shape[0] == 4 && x->shape[1] == 3 && y->ndim == 1 && y->dtype == TG_I64);
    CHECK(((float *)x->data)[3 * 3 + 2] == 32 && ((int64_t *)y->data)[3] == 3);
    CHECK(tg_batch(d, 5, &x, &y) && x->shape[0] == 2 && ((int64_t *)y->data)[0] == 8);          /* the last of the second epoch */
    CHECK(tg_batch(d, 5, &x, (tg_tensor **)NULL) && x->shape[0] == 2);
    CHECK_INT(tg_data_row(d, 2, 1), 9); CHECK_INT(tg_data_row(d, 2, 2), -1); CHECK_INT(tg_data_row(d, -1, 0), -1); CHECK_INT(tg_data_row(NULL, 0, 0), -1);
    CHECK(!tg_batch(d, -1, &x, &y) && !x && !y); CHECK_SAYS(tg, TG_ERROR_VALUE, "step");
    CHECK(!tg_batch(d, 0, &x) && !x); CHECK_SAYS(tg, TG_ERROR_VALUE, "has 2 tensors, and 1");
    CHECK(!tg_batch((tg_data *)NULL, 0, &x) && !x);
    tg_data_free(d);
    a.drop_last = true;
    d = counted(tg, 10, &a);
    CHECK_INT(tg_data_steps(d), 2);
    CHECK(tg_batch(d, 3, &x, &y) && x->shape[0] == 4 && ((int64_t *)y->data)[0] == 4);
    tg_data_free(d);
    a.batch = 11;
    d = counted(tg, 10, &a);
    CHECK_INT(tg_data_steps(d), 0);
    CHECK(!tg_batch(d, 0, &x, &y)); CHECK_SAYS(tg, TG_ERROR_VALUE, "no batch");
    tg_data_free(d);
    a = batches_of(3); a.samples = 5; a.shuffle = true;
    d = counted(tg, 10, &a);
    CHECK_INT(tg_data_steps(d), 2);
    tg_data_free(d);
    a.samples = 25;
    d = counted(tg, 10, &a);
    CHECK_INT(tg_data_steps(d), 9);
    tg_data_free(d);
    d = counted(tg, 0, &a);                                                                     /* an empty dataset */
    CHECK(d && tg_data_rows(d) == 0 && tg_data_steps(d) == 0 && tg_data_row(d, 0, 0) == -1);
    CHECK(!tg_batch(d, 0, &x, &y) && !x); CHECK_SAYS(tg, TG_ERROR_VALUE, "no batch");
    tg_data_free(d);
    tg_data_free(NULL);
    tg_end(tg, m);
}
static void refusals(tg_ctx *tg) {
    tg_mark m = tg_begin(tg);
    tg_tensor *t[2], *y;
    tg_data *d;
    t[0] = tg_ones(tg, TG_SHAPE(4, 2)); t[1] = tg_ones(tg, TG_SHAPE(5));
    CHECK(!tg_data_new(t, 2, 2)); CHECK_SAYS(tg, TG_ERROR_SHAPE, "rows");
    CHECK(!tg_data_new(t, 1, 0)); CHECK_ERROR(tg, TG_ERROR_VALUE);
    CHECK(!tg_data_new(t, 0, 1)); CHECK(!tg_failed(tg));                                        /* no tensor, no context */
    CHECK(!tg_data_new(t, 9, 1)); CHECK_ERROR(tg, TG_ERROR_VALUE);
    CHECK(!tg_data_new(t, 1, 1, .prefetch = 17)); CHECK_ERROR(tg, TG_ERROR_VALUE);
    CHECK(!tg_data_new(t, 1, 1, .rows = 3)); CHECK_ERROR(tg, TG_ERROR_VALUE);
    CHECK(!tg_data_new(t, 1, 1, .weights = t[1])); CHECK_SAYS(tg, TG_ERROR_SHAPE, "weights");
    CHECK(!tg_data_new(t, 1, 1, .weights = tg_zeros(tg, TG_SHAPE(4)))); CHECK_ERROR(tg, TG_ERROR_VALUE);
    CHECK(!tg_data_new(t, 1, 1, .weights = tg_full(tg, TG_SHAPE(4), -1, TG_F64))); CHECK_ERROR(tg, TG_ERROR_VALUE);
    t[1] = NULL;
    CHECK(!tg_data_new(t, 2, 1)); CHECK_ERROR(tg, TG_ERROR_NULL);
    t[1] = tg_number(tg, 1);
    CHECK(!tg_data_new(&t[1], 1, 1)); CHECK_ERROR(tg, TG_ERROR_SHAPE);
    t[1] = tg_arange(tg, 0, 4, 1, TG_I64);                                                       /* labels out of range are named by what takes them */
    d = tg_data_new(t, 2, 4);
    CHECK(tg_batch(d, 0, &t[0], &y) && !tg_cross_entropy(tg_ones(tg, TG_SHAPE(4, 3)), y)); CHECK_SAYS(tg, TG_ERROR_VALUE, "class 3");
    tg_data_free(d);
    tg_end(tg, m);
}

/* Rows of views, transposed and overlapping: as tg_index_select gives them. */
static void views(tg_ctx *tg) {
    tg_mark m = tg_begin(tg);
    tg_tensor *base = tg_reshape(tg_arange(tg, 0, 120, 1, TG_I16), TG_SHAPE(4, 5, 6)), *t[4], *out[4], *index;
    int64_t row[3];
    tg_data *d;
    int i;
    t[0] = tg_permute(base, TG_DIMS(1, 2, 0));
    t[1] = tg_expand(tg_narrow(base, 0, 0, 1), TG_SHAPE(5, 5, 6));
    t[2] = tg_slice(tg_reshape(base, TG_SHAPE(10, 12)), "::2, ::-1");
    t[3] = tg_unfold(tg_reshape(base, TG_SHAPE(120)), 0, 7, 25);
    d = tg_data_new(t, 4, 3, .shuffle = true, .seed = 3);
    CHECK(tg_batch(d, 0, &out[0], &out[1], &out[2], &out[3]));
    for (i = 0; i < 3; i++) row[i] = tg_data_row(d, 0, i);
    index = tg_from(tg, TG_SHAPE(3), TG_I64, row);
    for (i = 0; i < 4; i++) CHECK_MSG(tg_equal(out[i], tg_index_select(t[i], 0, index)), "view %d", i);
    CHECK_OK(tg);
    tg_data_free(d);
    tg_end(tg, m);
}
static void weighted(tg_ctx *tg) {
    tg_mark m = tg_begin(tg);
    const float w[4] = { 0, 1, 3, 0 };
    tg_data_args a = batches_of(10);
    tg_data *d;
    int count[4] = { 0, 0, 0, 0 }, k;
    int64_t step, i;
    a.weights = tg_from_f32(tg, TG_SHAPE(4), w); a.samples = 1000; a.seed = 5;
    d = counted(tg, 4, &a);
    CHECK_INT(tg_data_steps(d), 100);
    for (step = 0; step < 400; step++) for (i = 0; i < 10; i++) count[tg_data_row(d, step, i)]++;
    CHECK(count[0] == 0 && count[3] == 0);
    CHECK_MSG(count[1] > 900 && count[1] < 1100, "a quarter of 4000 came %d times", count[1]);
    for (k = 0, i = 0; i < 10; i++) k += tg_data_row(d, 0, i) == tg_data_row(d, 100, i);
    CHECK(k < 10);
    tg_data_free(d);
    tg_end(tg, m);
}

/* ---- a dataset that is a function; augmentation ---- */
static bool make_row(void *user, int64_t row, tg_dice *dice, void *const *out) {
    int k;
    for (k = 0; k < 3; k++) ((float *)out[0])[k] = (float)((double)(10 * row) + tg_dice_roll(dice));
    *(int64_t *)out[1] = tg_dice_below(dice, row + 1);
    return user == NULL || row != *(const int64_t *)user;
}
static bool add_noise(void *user, int64_t row, tg_dice *dice, void *const *out) {
    int k;
    (void)user; (void)row;
    for (k = 0; k < 3; k++) ((float *)out[0])[k] += (float)tg_dice_roll(dice);
    return true;
}
static void functions(tg_ctx *tg) {
    tg_mark m = tg_begin(tg);
    tg_tensor *row[2], *x, *y, *again;
    int64_t bad = 6;
    tg_data *d;
    row[0] = tg_zeros(tg, TG_SHAPE(3)); row[1] = tg_empty(tg, TG_SCALAR, TG_I64);
    d = tg_data_new(row, 2, 4, .fill = make_row, .rows = 10, .seed = 2);
    CHECK(tg_data_steps(d) == 3 && tg_batch(d, 1, &x, &y) && x->ndim == 2 && x->shape[1] == 3 && y->ndim == 1);
    CHECK(((float *)x->data)[3] >= 50 && ((float *)x->data)[3] < 51 && ((float *)x->data)[3] != ((float *)x->data)[4] && ((int64_t *)y->data)[1] <= 5);
    CHECK(tg_batch(d, 1, &again, &y) && tg_equal(x, again));
    CHECK(tg_batch(d, 4, &again, &y) && !tg_equal(x, again));                                    /* the next epoch rolls anew */
    tg_data_free(d);
    d = tg_data_new(row, 2, 4, .fill = make_row, .rows = 10, .user = &bad);
    CHECK(tg_batch(d, 0, &x, &y));
    CHECK(!tg_batch(d, 1, &x, &y) && !x && !y); CHECK_SAYS(tg, TG_ERROR_VALUE, "failed at row 6");
    CHECK(tg_batch(d, 2, &x, &y));
    tg_data_free(d);
    { tg_data_args a = batches_of(4); a.fill = add_noise; d = counted(tg, 8, &a); }
    CHECK(tg_batch(d, 1, &x, &y) && ((float *)x->data)[0] > 40 && ((float *)x->data)[0] < 41 && ((int64_t *)y->data)[0] == 4);
    CHECK(tg_batch(d, 1, &again, &y) && tg_equal(x, again));
    tg_data_free(d);
    {
        tg_dice dice;
        double sum = 0, squares = 0;
        int i, below[3] = { 0, 0, 0 };
        memset(&dice, 0, sizeof dice);
        for (i = 0; i < 20000; i++) { double v = tg_dice_roll(&dice); sum += v; squares += v * v; below[tg_dice_below(&dice, 3)]++; }
        CHECK_NEAR(sum / 20000, 0.5, 0.01); CHECK_NEAR(squares / 20000, 1.0 / 3, 0.01); CHECK_NEAR(below[0] / 20000.0, 1.0 / 3, 0.015); CHECK_NEAR(below[2] / 20000.0, 1.0 / 3, 0.015);
    }
    tg_end(tg, m);
}

/* ---- threads, hooks, gathering ahead: the same bits; and training between the batches ---- */
static long jobs_asked;
static void jobs(void *user, int64_t count, void (*body)(void *arg, int64_t i), void *arg) {      /* backwards, on this thread */
    (void)user;
    jobs_asked++;
    while (count-- > 0) body(arg, count);
}
static uint64_t hash_of_batches(int threads, bool hook, int prefetch, bool fill, uint64_t *host_calls) {
    tg_config c;
    tg_ctx *tg;
    tg_data_args a = batches_of(16);
    tg_data *d;
    uint64_t hash = 0;
    int64_t step;
    memset(&c, 0, sizeof c);
    c.hooks.log = test_quiet; c.threads = threads;
    if (hook) { c.hooks.parallel_for = jobs; c.hooks.jobs_width = 3; }
    tg = tg_open(&c);
    a.shuffle = true; a.seed = 11; a.prefetch = prefetch; a.fill = fill ? add_noise : NULL;
    d = counted(tg, 100, &a);
    for (step = 0; step < 140; step++) {
        tg_mark m = tg_begin(tg);
        tg_tensor *x, *y, *w;
        if (step == 100 && host_calls) *host_calls = tg_memory(tg).host_calls;
        if (step == 31) step += 2;                                                               /* a jump: what was gathered for 31 and 32 is let go of */
        if (!CHECK(tg_batch(d, step, &x, &y))) break;
        hash = test_hash(hash, x->data, (size_t)x->numel * 4); hash = test_hash(hash, y->data, (size_t)y->numel * 8);
        w = tg_sum(tg_matmul(tg_ones(tg, TG_SHAPE(200, 100)), tg_ones(tg, TG_SHAPE(100, 200))));
        CHECK(tg_item(w) == 200 * 200 * 100);
        tg_end(tg, m);
    }
    if (host_calls) *host_calls = tg_memory(tg).host_calls - *host_calls;
    CHECK_OK(tg);
    if (threads != 2) tg_data_free(d);                                                           /* else with the context */
    test_close(tg);
    return hash;
}
static void same_bits(void) {
    int fill, prefetch;
    for (fill = 0; fill < 2; fill++) {
        uint64_t calls = 0, hash = hash_of_batches(1, false, 0, fill != 0, &calls);
        CHECK_INT(calls, 0);                                                                     /* nothing is allocated any more */
        for (prefetch = 0; prefetch <= 16; prefetch += prefetch ? 15 : 1) {
            CHECK(hash_of_batches(1, false, prefetch, fill != 0, NULL) == hash);
            CHECK(hash_of_batches(2, false, prefetch, fill != 0, NULL) == hash);
            CHECK(hash_of_batches(5, false, prefetch, fill != 0, NULL) == hash);
            CHECK(hash_of_batches(1, true, prefetch, fill != 0, &calls) == hash);
            CHECK_INT(calls, 0);
        }
    }
    CHECK(jobs_asked > 0);
}
/* What is gathered ahead is there before it is asked for. */
static int rows_made;
static bool count_row(void *user, int64_t row, tg_dice *dice, void *const *out) {
    (void)user; (void)dice;
    *(float *)out[0] = (float)row;
    rows_made++;
    return true;
}
static void ahead(void) {
    tg_config c;
    tg_ctx *tg;
    tg_tensor *one, *x;
    tg_data *d;
    int i;
    memset(&c, 0, sizeof c);
    c.hooks.log = test_quiet; c.hooks.parallel_for = jobs; c.hooks.jobs_width = 4;
    tg = tg_open(&c);
    one = tg_zeros(tg, TG_SHAPE(1));
    d = tg_data_new(&one, 1, 8, .fill = count_row, .prefetch = 1, .rows = 80);
    CHECK(tg_batch(d, 0, &x));
    CHECK_INT(rows_made, 8);
    for (i = 0; i < 20; i++) (void)tg_matmul(tg_ones(tg, TG_SHAPE(200, 100)), tg_ones(tg, TG_SHAPE(100, 200)));
    CHECK_INT(rows_made, 16);
    CHECK(tg_batch(d, 1, &x) && ((float *)x->data)[0] == 8 && rows_made >= 16);
    tg_data_free(d);
    for (i = 0; i < 20; i++) (void)tg_matmul(tg_ones(tg, TG_SHAPE(200, 100)), tg_ones(tg, TG_SHAPE(100, 200)));
    CHECK_INT(rows_made, 16);
    CHECK_OK(tg);
    test_close(tg);
}

/* ---- files ---- */
static void idx(tg_ctx *tg) {
    tg_mark m = tg_begin(tg);
    static const unsigned char good[] = { 0, 0, 0x0B, 2, 0, 0, 0, 2, 0, 0, 0, 3, 0, 1, 0xff, 0xfe, 1, 0, 0, 4, 0, 5, 0, 6 };
    static const unsigned char floats[] = { 0, 0, 0x0D, 1, 0, 0, 0, 1, 0x3f, 0xc0, 0, 0 };
    static const unsigned char huge[] = { 0, 0, 8, 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1 };
    static const unsigned char zero[] = { 0, 0, 8, 2, 0, 0, 0, 0, 0, 0, 0, 5 };
    unsigned char bad[sizeof good];
    size_t n, before;
    int byte;
    tg_tensor *t = tg_idx_parse(tg, good, sizeof good);
    CHECK(t && t->dtype == TG_I16 && t->ndim == 2 && t->shape[1] == 3 && ((int16_t *)t->data)[1] == -2 && ((int16_t *)t->data)[2] == 256 && ((int16_t *)t->data)[5] == 6);
    t = tg_idx_parse(tg, floats, sizeof floats);
    CHECK(t && t->dtype == TG_F32 && tg_item(t) == 1.5);
    t = tg_idx_parse(tg, zero, sizeof zero);
    CHECK(t && t->numel == 0 && t->shape[1] == 5);
    for (n = 0; n < sizeof good; n++) { CHECK(!tg_idx_parse(tg, good, n)); CHECK_ERROR(tg, TG_ERROR_FORMAT); }
    before = tg_memory(tg).peak;
    CHECK(!tg_idx_parse(tg, huge, sizeof huge)); CHECK_SAYS(tg, TG_ERROR_FORMAT, "sizes");
    CHECK(tg_memory(tg).peak == before);
    for (n = 0; n < 12; n++) for (byte = 0; byte < 256; byte++) {                                /* every changed byte of the head: a tensor or an error */
        memcpy(bad, good, sizeof good);
        bad[n] = (unsigned char)byte;
        t = tg_idx_parse(tg, bad, sizeof bad);
        if (!t) CHECK_ERROR(tg, TG_ERROR_FORMAT);
    }
    CHECK(!tg_idx_parse(tg, "\x1f\x8b\b", 4)); CHECK_SAYS(tg, TG_ERROR_FORMAT, "gzip");
    CHECK(!tg_idx_parse(tg, NULL, 4)); CHECK_ERROR(tg, TG_ERROR_NULL);
    CHECK(!tg_idx_load(tg, "no/such/file")); CHECK_ERROR(tg, TG_ERROR_FILE);
    tg_end(tg, m);
}
static void real_digits(tg_ctx *tg) {
#ifdef HAS_FORK
    static const char folder[] = "../shared/data/mnist-10k";
    char line[256];
    tg_mark m = tg_begin(tg);
    FILE *f;
    sprintf(line, "%s/t10k-labels-idx1-ubyte.gz", folder);
    f = fopen(line, "rb");
    if (!f) { SKIP("no digits in ../shared/data"); tg_end(tg, m); return; }
    fclose(f);
    sprintf(line, "gzip -dc %s/t10k-labels-idx1-ubyte.gz > test_data.l && gzip -dc %s/t10k-images-idx3-ubyte.gz > test_data.i", folder, folder);
    if (system(line) != 0) SKIP("no gzip");
    else {
        tg_tensor *labels = tg_idx_load(tg, "test_data.l"), *images = tg_idx_load(tg, "test_data.i");
        CHECK(labels && labels->shape[0] == 10000 && labels->dtype == TG_U8 && images && images->ndim == 3 && images->shape[2] == 28);
        CHECK(labels && ((uint8_t *)labels->data)[0] == 7 && ((uint8_t *)labels->data)[9999] == 6);
        CHECK_OK(tg);
    }
    remove("test_data.l"); remove("test_data.i");
    tg_end(tg, m);
#else
    (void)tg;
    SKIP("no shell");
#endif
}
static void write_file(const char *path, const char *bytes, size_t n) {
    FILE *f = fopen(path, "wb");
    CHECK(f && fwrite(bytes, 1, n, f) == n);
    if (f) fclose(f);
}
static void text(tg_ctx *tg) {
    tg_mark m = tg_begin(tg);
    tg_tensor *bytes, *words, *w, *alphabet, *numbers;
    tg_data *d;
    write_file("test_data.txt", "to be or not to be", 18);
    bytes = tg_text_load(tg, "test_data.txt");
    CHECK(bytes && bytes->dtype == TG_U8 && bytes->shape[0] == 18 && ((uint8_t *)bytes->data)[1] == 'o');
    alphabet = tg_unique(bytes, &numbers, NULL);
    CHECK(alphabet && alphabet->shape[0] == 7 && numbers->dtype == TG_I64);
    words = tg_unfold(numbers, 0, 6, 1);
    d = tg_data_new(&words, 1, 13, .drop_last = true);
    CHECK(tg_data_rows(d) == 13 && tg_batch(d, 0, &w) && w->shape[1] == 6);
    CHECK(tg_equal(tg_select(w, 0, 3), tg_narrow(numbers, 0, 3, 6)));
    CHECK_OK(tg);
    tg_data_free(d);
    write_file("test_data.txt", "", 0);
    bytes = tg_text_load(tg, "test_data.txt");
    CHECK(bytes && bytes->numel == 0);
    remove("test_data.txt");
    CHECK(!tg_text_load(tg, "test_data.txt")); CHECK_ERROR(tg, TG_ERROR_FILE);
    CHECK(!tg_text_load(tg, NULL)); CHECK_ERROR(tg, TG_ERROR_NULL);
    tg_end(tg, m);
}

static tg_tensor *csv(tg_ctx *tg, const char *s) { return tg_csv_parse(tg, s, strlen(s)); }
static tg_tensor *csv_of(tg_ctx *tg, const char *s, tg_dtype dtype, bool no_header) { return tg_csv_parse(tg, s, strlen(s), .dtype = dtype, .no_header = no_header); }
static double number_of(tg_ctx *tg, const char *s) {
    tg_tensor *t = csv_of(tg, s, TG_F64, true);
    return t ? ((double *)t->data)[0] : -1;
}
static void csv_numbers(tg_ctx *tg) {
    tg_mark m = tg_begin(tg);
    static const char *const some[] = { "1", "-0", "0.1", "123456789012345678", "1234567890123456789012", "0.30000000000000004", "2.2250738585072014e-308", "4.9406564584124654e-324",
        "2.4703282292062328e-324", "2.4703282292062327e-324", "1.7976931348623157e308", "1.7976931348623159e308", "1e400", "1e-400", "9007199254740993", "9007199254740992.5", "1e23", "8.5e22", "123e-30", "+5.", ".5e1",
        "6.631236846766476e-316", "3.2378839133029012895883524125015321748630094e-319", "1e22", "1e-22", "179769313486231580793e289", "5e-324", "0e999999999999", "00012.50", "1e99999999999999999999", "-1e-99999999999999999999",
        "9007199254740993.00000000000000000001", "9007199254740993.0000000000000000000", "9007199254740992.99999999999999999999", "90071992547409930000000000000000000001e-10", "0.1000000000000000055511151231257827021181583404541015625",
        "0.1000000000000000124900090270330", "0.1000000000000000124900090270331", "1.000000000000000111022302462515",  "1.000000000000000111022302462516", "4503599627370497.5", "4503599627370497.5000000000000000000000000000000000",
        "4503599627370496.50000000000000000000000000000000000000000000000001", "00000000000000000000000000000000000000001.50", "0.000000000000000000000000000000000000000000000000000000000000001234567890123456789012345678901234567890123456789e70" };
    size_t i;
    int k;
    for (i = 0; i < sizeof some / sizeof *some; i++) {
        const double v = number_of(tg, some[i]), w = strtod(some[i], NULL);
        CHECK_MSG(memcmp(&v, &w, 8) == 0, "%s is read as %.17g, not as %.17g", some[i], v, w);
    }
    for (k = 0; k < 20000; k++) {
        char s[64];
        uint64_t bits = (uint64_t)test_random() << 32 | test_random();
        double w, v;
        tg_mark n = tg_begin(tg);
        memcpy(&w, &bits, 8);
        if (k & 1) w = test_uniform(-1000, 1000);
        if (w != w || w - w != 0) { tg_end(tg, n); continue; }
        sprintf(s, k & 2 ? k & 4 ? "%.40e" : "%.17g" : k & 4 ? "%.24e" : "%.9e", w);
        if ((k & 6) == 6) { char *p = strchr(s, 'e') - 1; size_t j; for (j = 0; j < 24; j++) p[-(int)j] = (char)('0' + test_random() % 10); }      /* digits that no double has */
        w = strtod(s, NULL);
        v = number_of(tg, s);
        if (memcmp(&v, &w, 8) != 0) CHECK_MSG(false, "%s is read as %.17g", s, v);
        tg_end(tg, n);
    }
    for (k = 0; k < 400; k++) {                                                      /* the middle between two doubles, which has up to 768 digits, and numbers next to it */
        static char a[2000], b[2000];
        uint64_t bits = (uint64_t)test_random() << 32 | test_random(), above;
        double low, high, v, w;
        int d, carry, kind, size, last;
        bits &= k % 4 == 0 ? UINT64_MAX >> 12 : INT64_MAX;                             /* subnormal ones, too */
        if (k == 4) bits = 0;
        if (bits >> 52 >= 0x7fe) continue;
        above = bits + 1;
        memcpy(&low, &bits, 8); memcpy(&high, &above, 8);
        size = sprintf(a, "%0*.1074f", 1400, low); sprintf(b, "%0*.1074f", 1400, high);
        for (d = size - 1, carry = 0; d >= 0; d--) if (a[d] != '.') { carry += a[d] - '0' + b[d] - '0'; a[d] = (char)('0' + carry % 10); carry /= 10; }
        for (d = 0, carry = 0; d < size; d++) if (a[d] != '.') { carry = 10 * carry + a[d] - '0'; a[d] = (char)('0' + carry / 2); carry %= 2; }
        a[size++] = (char)('0' + 5 * carry); a[size] = 0;
        for (kind = 0; kind < 3; kind++) {
            if (kind == 1) strcpy(a + size, "00000000000000000000000000000000000001");
            if (kind == 2) { a[size] = 0; for (last = size - 1; a[last] == '0' || a[last] == '.'; last--) { } a[last]--; if (strchr(a, '.') < a + last) strcpy(a + last + 1, "9999"); }      /* less by one in its last digit */
            v = number_of(tg, a); w = strtod(a, NULL);
            if (memcmp(&v, &w, 8) != 0) CHECK_MSG(false, "%a, kind %d: %s is read as %a, not %a", low, kind, a, v, w);
        }
    }
    CHECK(tg_item(csv_of(tg, "-2147483648.0", TG_I32, true)) == -2147483648.0 && tg_item(csv_of(tg, "2147483647e0", TG_I32, true)) == 2147483647.0);
    CHECK(!csv_of(tg, "2147483648.0", TG_I32, true)); CHECK_ERROR(tg, TG_ERROR_FORMAT);
    CHECK(!csv_of(tg, "-2147483649.0", TG_I32, true)); CHECK_ERROR(tg, TG_ERROR_FORMAT);
    CHECK(!tg_csv_parse(tg, "1", SIZE_MAX / 4) && !tg_csv_parse(tg, "1", SIZE_MAX)); CHECK_ERROR(tg, TG_ERROR_MEMORY);
    CHECK(number_of(tg, "inf") > 1e308 && number_of(tg, "-Infinity") < -1e308 && number_of(tg, "NaN") != number_of(tg, "NaN"));
    CHECK_OK(tg);
    tg_end(tg, m);
}
static void csv_files(tg_ctx *tg) {
    tg_mark m = tg_begin(tg);
    static const char iris[] = "\xEF\xBB\xBFlength,width,\"the \"\"class\"\"\"\r\n5.1, 3.5 ,setosa\r\n\r\n4.9,,\"virginica, or not\"\n6.2,NA,setosa";
    const char *pick[3];
    tg_dict *classes = tg_dict_new(tg);
    tg_tensor *t;
    float *v;
    pick[0] = "the \"class\""; pick[1] = "length"; pick[2] = "0";
    t = tg_csv_parse(tg, iris, sizeof iris - 1, .classes = classes, .columns = pick, .n_columns = 3);
    if (CHECK(t && t->shape[0] == 3 && t->shape[1] == 3)) {
        v = (float *)t->data;
        CHECK(v[0] == 0 && v[3] == 1 && v[6] == 0 && v[1] == 5.1f && v[5] == 4.9f && v[8] == 6.2f);
    }
    CHECK(classes && tg_dict_meta_count(classes) == 2 && strcmp(tg_dict_meta_key(classes, 1), "virginica, or not") == 0);
    t = tg_csv_parse(tg, iris, sizeof iris - 1, .classes = classes);
    CHECK(t && t->shape[1] == 3 && ((float *)t->data)[4] != ((float *)t->data)[4] && ((float *)t->data)[5] == 1);
    pick[0] = "width";
    t = tg_csv_parse(tg, iris, sizeof iris - 1, .columns = pick, .n_columns = 1, .missing = TG_IS(-1));
    CHECK(t && ((float *)t->data)[1] == -1 && ((float *)t->data)[2] == -1);
    CHECK(!tg_csv_parse(tg, iris, sizeof iris - 1)); CHECK_SAYS(tg, TG_ERROR_FORMAT, "line 2, column 3: 'setosa' is no number");
    pick[0] = "height";
    CHECK(!tg_csv_parse(tg, iris, sizeof iris - 1, .columns = pick, .n_columns = 1)); CHECK_SAYS(tg, TG_ERROR_VALUE, "height");
    pick[0] = "3";
    CHECK(!tg_csv_parse(tg, iris, sizeof iris - 1, .columns = pick, .n_columns = 1)); CHECK_ERROR(tg, TG_ERROR_VALUE);
    pick[0] = NULL;
    CHECK(!tg_csv_parse(tg, iris, sizeof iris - 1, .columns = pick, .n_columns = 1)); CHECK_ERROR(tg, TG_ERROR_NULL);
    tg_dict_free(classes);
    t = csv_of(tg, "1,2\n3,4\n", TG_I64, true);
    CHECK(t && t->shape[0] == 2 && ((int64_t *)t->data)[3] == 4);
    t = csv_of(tg, "9223372036854775807\n-9223372036854775808\n3.0\n1e3", TG_I64, true);
    CHECK(t && ((int64_t *)t->data)[0] == INT64_MAX && ((int64_t *)t->data)[1] == INT64_MIN && ((int64_t *)t->data)[2] == 3 && ((int64_t *)t->data)[3] == 1000);
    CHECK(!csv_of(tg, "9223372036854775808", TG_I64, true)); CHECK_SAYS(tg, TG_ERROR_FORMAT, "is no i64");
    CHECK(!csv_of(tg, "2147483648", TG_I32, true)); CHECK_SAYS(tg, TG_ERROR_FORMAT, "is no i32");
    CHECK(!csv_of(tg, "1.5", TG_I32, true)); CHECK_SAYS(tg, TG_ERROR_FORMAT, "line 1, column 1");
    CHECK(!csv_of(tg, "a,b\n1,\n", TG_I64, false)); CHECK_SAYS(tg, TG_ERROR_FORMAT, "line 2, column 2");
    CHECK(!csv(tg, "a,b\n1,2\n\n1,2,3\n")); CHECK_SAYS(tg, TG_ERROR_FORMAT, "line 4 has 3 fields, the first line 2");
    CHECK(!csv(tg, "a,b\n\"x\ny\",2\n1,z\n") && has_text(tg, "line 3, column 1")); CHECK_ERROR(tg, TG_ERROR_FORMAT);
    CHECK(!csv(tg, "a\n\"1")); CHECK_SAYS(tg, TG_ERROR_FORMAT, "line 2, column 1");
    CHECK(!csv(tg, "a\n\"1\"2\n")); CHECK_SAYS(tg, TG_ERROR_FORMAT, "behind its quotes");
    CHECK(!csv(tg, "")); CHECK_SAYS(tg, TG_ERROR_FORMAT, "no line");
    CHECK(!csv(tg, "\n\r\n\n")); CHECK_SAYS(tg, TG_ERROR_FORMAT, "no line");
    CHECK(!tg_csv_parse(tg, "a\n1\0", 4)); CHECK_SAYS(tg, TG_ERROR_FORMAT, "byte of 0");
    t = csv(tg, "a,b\n");
    CHECK(t && t->shape[0] == 0 && t->shape[1] == 2);
    CHECK(!tg_csv_parse(tg, "1", 1, .dtype = TG_U8)); CHECK_ERROR(tg, TG_ERROR_DTYPE);
    CHECK(!tg_csv_parse(tg, NULL, 1)); CHECK_ERROR(tg, TG_ERROR_NULL);
    t = tg_csv_parse(tg, "1;2\n", 4, .no_header = true, .separator = ';');
    CHECK(t && t->numel == 2);
    write_file("test_data.csv", "x,y\n1,2\n", 8);
    t = tg_csv_load(tg, "test_data.csv");
    CHECK(t && t->numel == 2 && ((float *)t->data)[1] == 2);
    remove("test_data.csv");
    CHECK(!tg_csv_load(tg, "test_data.csv")); CHECK_ERROR(tg, TG_ERROR_FILE);
    tg_end(tg, m);
}
/* Changed, cut and random bytes: a tensor or an error, and no byte outside (the sanitizers look). */
static void csv_hostile(tg_ctx *tg) {
    static const char good[] = "a,\"b\",c\r\n1,\"2\",3\n4,\"5\n\",x\n";
    char bad[sizeof good];
    int k, i;
    for (k = 0; k < 20000; k++) {
        tg_mark m = tg_begin(tg);
        size_t n = sizeof good - 1;
        char *exact;
        memcpy(bad, good, sizeof good);
        if (k % 3 == 0) n = test_random() % sizeof good;
        for (i = (int)(test_random() % 4); i > 0; i--) bad[test_random() % (sizeof good - 1)] = "\",\n\r 1x\0.e-"[test_random() % 12];
        exact = (char *)malloc(n + 1);                                                           /* + 1: not every allocator gives 0 bytes */
        memcpy(exact + 1, bad, n);
        if (!tg_csv_parse(tg, exact + 1, n, .no_header = (k & 4) != 0) && tg_error(tg) != TG_ERROR_FORMAT) CHECK_MSG(false, "%s", tg_error_text(tg));
        tg_clear(tg);
        free(exact);
        tg_end(tg, m);
    }
    CHECK(true);
}

/* ---- a run: some steps of a network with dropout; the sum of its bits ---- */
typedef struct run { tg_ctx *tg; tg_module *net; tg_optim *opt; tg_data *data; } run;
static run run_new(tg_ctx *tg) {
    run r;
    tg_data_args a = batches_of(8);
    r.tg = tg;
    tg_seed(tg, 9);
    r.net = tg_nn_sequential(tg, tg_nn_linear(tg, 3, 16), tg_nn_batch_norm1d(tg, 16), tg_nn_relu(tg), tg_nn_dropout(tg, 0.3), tg_nn_linear(tg, 16, 50));
    r.opt = tg_optim_adamw(r.net, 0.01);
    a.shuffle = true; a.seed = 4; a.fill = add_noise; a.prefetch = 2;
    r.data = counted(tg, 50, &a);
    return r;
}
static bool run_steps(run *r, int64_t from, int64_t to) {
    for (; from < to; from++) {
        tg_mark m = tg_begin(r->tg);
        tg_tensor *x, *y;
        tg_batch(r->data, from, &x, &y);
        tg_optim_set_lr(r->opt, 0, tg_cosine_annealing_lr(0.01, from, 40, 0));
        tg_backward(tg_cross_entropy(tg_forward(r->net, x), y));
        tg_step(r->opt);
        tg_end(r->tg, m);
    }
    return !tg_failed(r->tg);
}
static uint64_t run_hash(run *r) { return test_hash_weights(r->net); }
static void run_free(run *r) { tg_data_free(r->data); tg_optim_free(r->opt); tg_module_free(r->net); }

static void resumed(void) {
    tg_ctx *tg = test_open();
    run r = run_new(tg);
    uint64_t want;
    int threads;
    tg_dict *more = tg_dict_new(tg);
    CHECK(run_steps(&r, 0, 10) && tg_dict_set_meta(more, "best", "0.25") && tg_dict_set(more, "seen", tg_arange(tg, 0, 3, 1, TG_F32)));
    CHECK(tg_run_save(r.net, r.opt, 10, more, "test_data.run"));                                 /* step 10 of 7 an epoch */
    CHECK(run_steps(&r, 10, 25));
    want = run_hash(&r);
    tg_dict_free(more);
    run_free(&r);
    test_close(tg);
    for (threads = 1; threads <= 4; threads++) {
        int64_t step = -1;
        tg = test_open();
        CHECK(tg_threads(tg, threads));
        r = run_new(tg);
        (void)tg_rand(tg, TG_SHAPE(7));                                                          /* another random state */
        CHECK(tg_run_load(r.net, r.opt, &step, &more, "test_data.run"));
        CHECK_INT(step, 10);
        CHECK(more && strcmp(tg_dict_meta(more, "best"), "0.25") == 0 && tg_item(tg_sum(tg_dict_get(more, "seen"))) == 3);
        CHECK(run_steps(&r, step, 25));
        CHECK_MSG(run_hash(&r) == want, "with %d threads the resumed run has other bits", threads);
        tg_dict_free(more);
        run_free(&r);
        test_close(tg);
    }
}
/* What does not fit changes nothing. */
static void unfit(void) {
    tg_ctx *tg = test_open();
    run r = run_new(tg);
    tg_module *other = tg_nn_linear(tg, 3, 4);
    tg_optim *sgd = tg_optim_sgd(r.net, 0.1);
    uint64_t before = run_hash(&r);
    tg_random_state state = tg_random_get(tg);
    tg_dict *more = (tg_dict *)(void *)tg;
    int64_t step = 5;
    CHECK(!tg_run_load(other, NULL, &step, &more, "test_data.run") && step == 0 && !more); CHECK_SAYS(tg, TG_ERROR_VALUE, "run_load: ");
    CHECK(!tg_run_load(r.net, sgd, &step, NULL, "test_data.run") && !strncmp(tg_error_text(tg), "run_load: ", 10)); CHECK_SAYS(tg, TG_ERROR_VALUE, "adamw");
    CHECK(run_hash(&r) == before && tg_random_get(tg).call == state.call);
    CHECK(tg_save(other, "test_data.weights") && !tg_run_load(other, NULL, NULL, NULL, "test_data.weights")); CHECK_SAYS(tg, TG_ERROR_FORMAT, "run_load: ");
    CHECK(!tg_run_load(r.net, r.opt, NULL, NULL, "no/such/file")); CHECK_SAYS(tg, TG_ERROR_FILE, "run_load: ");
    CHECK(!tg_run_load(r.net, r.opt, NULL, NULL, NULL)); CHECK_ERROR(tg, TG_ERROR_NULL);
    CHECK(!tg_run_load(NULL, r.opt, NULL, NULL, "x") && !tg_run_save(NULL, NULL, 0, NULL, "x"));
    {   /* of another context */
        tg_ctx *own = test_open();
        tg_module *theirs = tg_nn_linear(own, 3, 4);
        tg_optim *opt = tg_optim_adamw(theirs, 0.1);
        tg_dict *theirs_more, *state;
        CHECK(!tg_run_save(r.net, opt, 0, NULL, "test_data.weights")); CHECK_ERROR(tg, TG_ERROR_CONTEXT); CHECK_OK(own);
        CHECK(!tg_run_load(r.net, opt, &step, NULL, "test_data.run") && step == 0); CHECK_ERROR(tg, TG_ERROR_CONTEXT); CHECK_OK(own);
        theirs_more = tg_dict_new(own); state = tg_optim_state(r.opt);
        CHECK(!tg_run_save(r.net, r.opt, 0, theirs_more, "test_data.weights")); CHECK_SAYS(tg, TG_ERROR_CONTEXT, "run_save: operand 3"); CHECK_OK(own);
        CHECK(state && !tg_optim_load(opt, state)); CHECK_SAYS(own, TG_ERROR_CONTEXT, "adamw: operand 1"); CHECK_OK(tg);
        tg_dict_free(theirs_more); tg_dict_free(state);
        test_close(own);
    }
    CHECK(!tg_run_save(r.net, r.opt, 0, NULL, "no/such/folder/x")); CHECK_SAYS(tg, TG_ERROR_FILE, "run_save: ");
    CHECK(tg_run_load(r.net, NULL, &step, NULL, "test_data.run") && step == 10);                 /* the weights alone */
    remove("test_data.weights");
    tg_module_free(other); tg_optim_free(sgd);
    run_free(&r);
    test_close(tg);
}

/* A disk that loses power: the hook writes to a second file and stops at a byte; only a whole second file takes the place of the first. */
typedef struct disk { test_heap heap; unsigned char *file; size_t size, budget; } disk;
static bool disk_write(void *user, const char *path, const void *const *parts, const size_t *sizes, int n) {
    disk *d = (disk *)user;
    unsigned char *second;
    size_t all = 0, at = 0, k;
    int i;
    (void)path;
    for (i = 0; i < n; i++) all += sizes[i];
    second = (unsigned char *)malloc(all + 1);
    for (i = 0; i < n; i++) for (k = 0; k < sizes[i]; k++) {
        if (at == d->budget) { free(second); return false; }
        second[at++] = ((const unsigned char *)parts[i])[k];
    }
    free(d->file);
    d->file = second; d->size = all;
    return true;
}
static bool disk_read(void *user, tg_ctx *tg, const char *path, void **data, size_t *size) {
    disk *d = (disk *)user;
    (void)tg; (void)path;
    *data = test_alloc(&d->heap, d->size, 64); *size = d->size;
    if (*data) memcpy(*data, d->file, d->size);
    return *data != NULL;
}
static void killed(void) {
    static disk d;
    tg_config c = test_config(&d.heap);
    tg_ctx *tg;
    run r;
    int64_t step, saved = 0;
    int k;
    c.hooks.file_read = disk_read; c.hooks.file_write = disk_write; c.hooks.file_user = &d;
    tg = tg_open(&c);
    r = run_new(tg);
    d.budget = SIZE_MAX;
    CHECK(run_steps(&r, 0, 1) && tg_run_save(r.net, r.opt, 0, NULL, "x"));
    for (k = 0; k < 200; k++) {                                  /* every 1/180 of the file, and a few beyond its end */
        const uint64_t before = run_hash(&r);
        CHECK(run_steps(&r, k, k + 1));
        d.budget = d.size * (size_t)k / 180 + (size_t)k % 3;
        if (tg_run_save(r.net, r.opt, k + 1, NULL, "x")) { saved = k + 1; continue; }
        CHECK_ERROR(tg, TG_ERROR_FILE);
        CHECK(tg_run_load(r.net, r.opt, &step, NULL, "x") && step == saved && (step != k || run_hash(&r) == before));
    }
    CHECK(saved == 200);
    run_free(&r);
    test_close(tg);
    (void)test_heap_ended(&d.heap);
    free(d.file);
}
/* The real writer, in a process that the system kills at a byte of the file. */
static void killed_process(void) {
#ifdef HAS_FORK
    tg_ctx *tg = test_open();
    run r = run_new(tg);
    FILE *f;
    long size = 0, at;
    int64_t step;
    int deaths = 0;
    if (system("mkdir -p test_data.dir") != 0) { SKIP("no folder"); run_free(&r); test_close(tg); return; }
    CHECK(tg_run_save(r.net, r.opt, 1, NULL, "test_data.dir/run") && run_steps(&r, 0, 1));
    f = fopen("test_data.dir/run", "rb");
    if (f) { fseek(f, 0, SEEK_END); size = 2 * ftell(f) + 2000; fclose(f); }
    for (at = 0; at < size; at += size / 60 + 1) {
        int status = 0;
        pid_t pid;
        fflush(stdout);
        pid = fork();
        if (pid == 0) {
            struct rlimit less;
            less.rlim_cur = less.rlim_max = (rlim_t)at;
            signal(SIGXFSZ, SIG_DFL);
            setrlimit(RLIMIT_FSIZE, &less);
            _exit(tg_run_save(r.net, r.opt, 2, NULL, "test_data.dir/run") ? 0 : 1);
        }
        CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
        if (WIFSIGNALED(status)) deaths++;
        CHECK(tg_run_load(r.net, r.opt, &step, NULL, "test_data.dir/run") && step == (WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 2 : 1));
        if (step == 2) break;
        CHECK(run_steps(&r, 0, 1));
    }
    CHECK_MSG(deaths > 10, "only %d of the processes were killed", deaths);
    run_free(&r);
    test_close(tg);
    CHECK(system("rm -rf test_data.dir") == 0);                                                  /* with the halves of the killed ones */
#else
    SKIP("no fork");
#endif
}

/* ---- memory that runs out, at each allocation ---- */
static bool all_of_it(tg_ctx *tg, int what) {
    static const char table[] = "a,\"b\"\n1,x\n2,y\n";
    static const unsigned char digits[] = { 0, 0, 8, 1, 0, 0, 0, 2, 5, 6 };
    bool ok = false;
    if (what == 0) {
        tg_data_args a = batches_of(4);
        tg_tensor *x, *y;
        tg_data *d;
        int step;
        a.prefetch = 2; a.weights = tg_ones(tg, TG_SHAPE(10));
        d = tg_failed(tg) ? NULL : counted(tg, 10, &a);
        for (step = 0, ok = d != NULL; step < 5; step++) {
            ok = ok && tg_batch(d, step, &x, &y);
            CHECK(ok == (d && x && y) || (!x && !y));
        }
        tg_data_free(d);
    } else if (what == 1) {
        tg_dict *classes = tg_dict_new(tg);
        ok = classes && tg_csv_parse(tg, table, sizeof table - 1, .classes = classes) && tg_idx_parse(tg, digits, sizeof digits) && tg_text_load(tg, "test_data.txt");
        tg_dict_free(classes);
    } else {
        run r = run_new(tg);
        uint64_t before = run_hash(&r), after;
        int64_t step = 0;
        if (tg_failed(tg)) before = 0;
        ok = tg_run_load(r.net, r.opt, &step, NULL, "test_data.run");
        after = ok || !tg_failed(tg) ? 0 : before;
        if (!ok && before) { tg_clear(tg); after = run_hash(&r); if (!tg_failed(tg)) CHECK(after == before); }
        run_free(&r);
    }
    return ok;
}
static void memory(void) {
    static test_heap heap;
    int what, good;
    tg_ctx *tg = test_open();
    run r = run_new(tg);
    CHECK(run_steps(&r, 0, 3) && tg_run_save(r.net, r.opt, 3, NULL, "test_data.run"));
    run_free(&r);
    test_close(tg);
    write_file("test_data.txt", "text", 4);
    for (what = 0; what < 3; what++) for (good = 0, heap.fail_at = 1; !good; heap.fail_at += what == 2 ? 3 : 1) {
        tg_config c = test_config(&heap);
        const long fail_at = heap.fail_at;
        c.no_cache = true; c.threads = what == 0 && heap.fail_at % 2 ? 2 : 0;
        heap.fail_from = heap.fail_at;                                                           /* and for good: the library asks twice */
        tg = tg_open(&c);
        if (tg) {
            const bool ok = all_of_it(tg, what);
            CHECK_MSG(ok || what == 2 || tg_error(tg) == TG_ERROR_MEMORY, "allocation %ld: %s", fail_at, tg_error_text(tg));
            heap.fail_from = heap.fail_at = 0;
            test_close(tg);
        }
        heap.fail_at = fail_at;
        if (!test_heap_ended(&heap)) good = 1;
        if (test_failed > 40) return;
    }
    remove("test_data.txt"); remove("test_data.run");
}

int main(void) {
    tg_ctx *tg = test_open();
    permutations(tg);
    fairness(tg);
    sequential(tg);
    refusals(tg);
    views(tg);
    weighted(tg);
    functions(tg);
    idx(tg);
    real_digits(tg);
    text(tg);
    csv_numbers(tg);
    csv_files(tg);
    csv_hostile(tg);
    test_close(tg);
    same_bits();
    ahead();
    resumed();
    unfit();
    killed();
    killed_process();
    memory();
    return test_end("data");
}
