/* run.sh flags: -lpthread */
/* Families run through the device struct: a device of our own, whose memory the host cannot read by the library's rules, gives what the CPU gives. Its backend keeps device memory in
   the heap and runs each family's phases and chunks itself, so a job that reached around it, or held a host address, would show. */
#include "test.h"

static tg_ctx *tg;
static int launches;
static int64_t allocated;

static void *device_alloc(void *user, size_t size) { (void)user; allocated++; return calloc(1, size); }
static void device_release(void *user, void *p, size_t size) { (void)user; (void)size; allocated--; free(p); }
static bool device_copy(void *user, void *to, tg_device to_device, const void *from, tg_device from_device, size_t size) {
    (void)user; (void)to_device; (void)from_device;
    memcpy(to, from, size);
    return true;
}
static bool device_launch(void *user, tg_ctx *c, int id, void *job) {
    static const tg__family *const all[] = { &tg__family_map, &tg__family_copy, &tg__family_fill, &tg__family_random, &tg__family_reduce, &tg__family_sort, &tg__family_index,
                                             &tg__family_gemm, &tg__family_conv, &tg__family_softmax, &tg__family_entropy };
    const tg__family *f = NULL;
    int phase;
    size_t i;
    (void)user;
    launches++;
    for (i = 0; i < sizeof all / sizeof all[0]; i++) if (all[i]->id == id) f = all[i];
    if (!f) return false;
    for (phase = 0;; phase++) {
        int64_t n = f->start(c, phase, job), k;
        if (n <= 0) return n == 0;
        for (k = n; k-- > 0;) f->chunk(job, k);
    }
}
static const tg__backend backend = { "test", NULL, device_alloc, device_release, device_copy, device_launch };
#define OTHER ((tg_device)2)

/* A copy of t on the device, and back. */
static tg_tensor *there(tg_tensor *t) {
    tg_tensor *c = tg_contiguous(t), *d = c ? tg__hold(tg, tg__tensor_make(tg, OTHER, t->dtype, t->ndim, t->shape, NULL)) : NULL;
    if (d && d->numel) memcpy(d->place, c->data, (size_t)t->numel * tg_dtype_size(t->dtype));
    return d;
}
static tg_tensor *back(tg_tensor *t) {
    tg_tensor *dense = t ? tg_contiguous(t) : NULL, *c;
    if (!dense || dense->device != OTHER) return NULL;
    c = tg_empty(tg, t->ndim, t->shape, t->dtype);
    if (c && c->numel) memcpy(c->data, dense->place, (size_t)t->numel * tg_dtype_size(t->dtype));
    return c;
}
static void same(tg_tensor *on_device, tg_tensor *on_host, int line) {
    test_check(on_device && on_device->device == OTHER && (!on_device->data), __FILE__, line, "not on the device: %s", tg_error_text(tg));
    test_check(on_device && tg_equal(back(on_device), tg_contiguous(on_host)), __FILE__, line, "other values than on the CPU: %s", tg_error_text(tg));
    tg_clear(tg);
}
#define SAME(d, h) same(d, h, __LINE__)

int main(void) {
    tg_tensor *x, *y, *w, *i, *dx, *dy, *dw, *di, *p, *dp;
    tg_mark m;
    int64_t held;
    tg = test_open();
    if (!tg) return test_end("device");
    CHECK(!tg__tensor_make(tg, OTHER, TG_F32, 0, NULL, NULL)); CHECK_ERROR(tg, TG_ERROR_UNSUPPORTED);
    tg->devices[OTHER] = &backend;
    held = allocated;
    m = tg_begin(tg);
    x = tg_randn(tg, TG_SHAPE(33, 70)); y = tg_randn(tg, TG_SHAPE(70)); w = tg_randn(tg, TG_SHAPE(70, 20)); i = tg_randint(tg, 0, 33, TG_SHAPE(9));
    dx = there(x); dy = there(y); dw = there(w); di = there(i);
    CHECK(dx && dx->data == NULL && dx->place != NULL);
    launches = 0;
    SAME(tg_add(dx, dy), tg_add(x, y)); SAME(tg_exp(dx), tg_exp(x)); SAME(tg_gelu(tg_t(dx)), tg_gelu(tg_t(x))); SAME(tg_gt(dx, dy), tg_gt(x, y));
    SAME(tg_mul_scalar(dx, 3), tg_mul_scalar(x, 3)); SAME(tg_to(dx, TG_BF16), tg_to(x, TG_BF16)); SAME(tg_slice(dx, "3:20:2, ::7"), tg_slice(x, "3:20:2, ::7"));
    SAME(tg_sum(dx), tg_sum(x)); SAME(tg_amax(dx, TG_DIMS(0), false), tg_amax(x, TG_DIMS(0), false)); SAME(tg_argmax_dim(dx, 1, true), tg_argmax_dim(x, 1, true));
    SAME(tg_softmax(dx, 0), tg_softmax(x, 0)); SAME(tg_log_softmax(dx, 1), tg_log_softmax(x, 1)); SAME(tg_matmul(dx, dw), tg_matmul(x, w)); SAME(tg_linear(dx, tg_t(dw), NULL), tg_linear(x, tg_t(w), NULL));
    { tg_tensor *a[2], *b[2]; a[0] = a[1] = dx; b[0] = b[1] = x; SAME(tg_cat(a, 2, 1), tg_cat(b, 2, 1)); }
    SAME(tg_add_(tg_select(dx, 0, 2), dy), tg_add_(tg_select(x, 0, 2), y)); SAME(dx, x); SAME(tg_zero_(dy), tg_zero_(y));
    dp = tg_sort(dx, 1, true, &di); p = tg_sort(x, 1, true, &i); SAME(dp, p); SAME(di, i);
    { tg_tensor *im = tg_randn(tg, TG_SHAPE(2, 3, 8, 8)), *k = tg_randn(tg, TG_SHAPE(4, 3, 3, 3)), *b = tg_randn(tg, TG_SHAPE(4)); SAME(tg_conv2d(there(im), there(k), there(b), .padding = { 1, 1 }), tg_conv2d(im, k, b, .padding = { 1, 1 })); }
    CHECK(launches > 20);
    /* gradients */
    { tg_tensor *a = tg_require_grad(there(x), true), *b = tg_require_grad(tg_clone(x), true); CHECK(tg_backward(tg_sum(tg_tanh(tg_matmul(tg_square(a), dw))))); CHECK(tg_backward(tg_sum(tg_tanh(tg_matmul(tg_square(b), w))))); SAME(a->grad, b->grad); }
    /* the host does not read it, and devices do not mix */
    CHECK(tg_item(tg_sum(dx)) != tg_item(tg_sum(x))); CHECK_ERROR(tg, TG_ERROR_UNSUPPORTED);
    CHECK(!tg_add(dx, tg_randn(tg, TG_SHAPE(70)))); CHECK_ERROR(tg, TG_ERROR_UNSUPPORTED);
    CHECK(!tg_matmul(x, dw)); CHECK_ERROR(tg, TG_ERROR_UNSUPPORTED);
    tg_end(tg, m);
    for (held += 0; tg->ring_at % 300 != 299;) { m = tg_begin(tg); (void)tg_ones(tg, TG_SHAPE(1)); tg_end(tg, m); }
    CHECK_OK(tg);
    test_close(tg);
    CHECK_INT(allocated, held);
    return test_end("device");
}
