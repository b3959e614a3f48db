/* run.sh flags: -lpthread -lm */
/* Families are asked through the device struct by plain data. The device here keeps its memory in pages that nobody may touch (mprotect) but for the length of a chunk, copies each request
   and spoils the original, and looks for addresses in it: whatever reads, writes or names device memory on the host's side is found. Its context is one of its own. All ops of the list
   that the gradient checks go through, forward and backward, give the same bits as on the CPU; then every family declines once in turn, and they do so again. */
#include "test.h"
#include <math.h>
#include "op_list.h"
#include "nn_list.h"
#define TG_FIT_IMPLEMENTATION
#include "../tools/tg_fit.h"
#define TG_TRANSFORMS_IMPLEMENTATION
#include "../tools/tg_transforms.h"

#if defined(__unix__) || defined(__APPLE__)
#include <sys/mman.h>
#include <unistd.h>

#define OTHER ((tg_device)2)
#define THIRD ((tg_device)3)

static tg_ctx *tg;

/* ---- memory that only chunks may touch ---- */
enum { ROOM = 24 << 20, PAGE = 65536 };
static char *room;
static size_t used;
static int64_t allocated;
static struct { char *p; size_t size; } spare[4096];
static int spares;

static void lock(bool open) { if (used && mprotect(room, (used + PAGE - 1) / PAGE * PAGE, open ? PROT_READ | PROT_WRITE : PROT_NONE) != 0) { printf("FAIL mprotect\n"); exit(1); } }
static void *device_alloc(void *user, void *stream, size_t size) {
    size_t whole = (size + 63) / 64 * 64 + 64;
    char *p = NULL;
    int i;
    (void)user; (void)stream;
    for (i = 0; i < spares && !p; i++) if (spare[i].size == whole) { p = spare[i].p; spare[i] = spare[--spares]; }
    if (!p) { if (used + whole > ROOM) return NULL; p = room + used; used += whole; }
    lock(true); memset(p, 0xA5, whole); memcpy(p + whole - sizeof size, &size, sizeof size); lock(false);      /* nothing is zero by itself; the end tells the size */
    allocated++;
    return p;
}
static void device_release(void *user, void *stream, void *p, size_t size) {
    const size_t whole = (size + 63) / 64 * 64 + 64;
    size_t asked_for = 0;
    (void)user; (void)stream;
    allocated--;
    lock(true); memcpy(&asked_for, (char *)p + whole - sizeof size, sizeof size); lock(false);
    CHECK_INT(asked_for, size);                                                /* the size that alloc was given */
    if (spares < 4096) { spare[spares].p = (char *)p; spare[spares++].size = whole; }
}
static bool device_copy_in(void *user, void *stream, void *to, const void *from, size_t size) {
    (void)user; (void)stream;
    lock(true); memcpy(to, from, size); lock(false);
    return true;
}
static bool device_copy_out(void *user, void *stream, void *to, const void *from, size_t size) {
    (void)user; (void)stream;
    lock(true); memcpy(to, from, size); lock(false);
    return true;
}

/* ---- requests ---- */
static struct { uintptr_t low, high; } mapped[4096];
static int n_mapped;
static void read_maps(void) {
    FILE *f = fopen("/proc/self/maps", "r");
    unsigned long a, b;
    char line[512];
    n_mapped = 0;
    while (f && n_mapped < 4096 && fgets(line, sizeof line, f)) if (sscanf(line, "%lx-%lx", &a, &b) == 2) { mapped[n_mapped].low = (uintptr_t)a; mapped[n_mapped++].high = (uintptr_t)b; }
    if (f) fclose(f);
}
static bool is_address(uint64_t w) {
    int i;
    for (i = 0; i < n_mapped; i++) if (w >= 65536 && w >= mapped[i].low && w < mapped[i].high) return true;
    return false;
}
static bool names_address(const void *p, size_t size) {
    size_t i;
    for (i = 0; i + 8 <= size; i += 4) { uint64_t w; memcpy(&w, (const char *)p + i, 8); if (is_address(w)) return true; }
    return false;
}

static const tg__family *const families[TG_FAMILIES] = { NULL, &tg__family_map, &tg__family_copy, &tg__family_fill, &tg__family_random, &tg__family_reduce, &tg__family_softmax,
    &tg__family_sort, &tg__family_index, &tg__family_gemm, &tg__family_conv, &tg__family_entropy,
    &tg__family_scan,
    &tg__family_pooling,
    &tg__family_resample,
    &tg__family_attention,
    &tg__family_search,
    &tg__family_rnn,
    &tg__family_norm,
    &tg__family_optim,
};
#define TG_F1(name, ...) [TG_ROW_##name] = &name##__f.kernels,
#define TG_F2 TG_F1
#define TG_F3 TG_F1
#define TG_W2 TG_F1
static const tg__map_kernels *const kernels_of[TG_ROWS] = {
#define TG_READ_ROWS
#include "../tensorgrad.h"
};

typedef struct stream { tg_ctx *own; } stream;
static stream streams[2];
static int launches, declined, opened, refused_family, answer;              /* refused_family: that one is declined; answer: what launch says, if not 0 */
static int asked[TG_FAMILIES];

static void *device_open(void *user, tg_ctx *ctx) {
    stream *s = &streams[opened++];
    (void)user;
    (void)ctx;
    s->own = test_open();
    return s->own ? s : NULL;
}
static void device_close(void *user, void *s) { (void)user; opened--; tg_close(((stream *)s)->own); }

static void open_chunk(void *plan, int64_t i, const tg__family *f) { lock(true); f->chunk(plan, i); lock(false); }
static tg_launch device_launch(void *user, void *s, const tg_request *r, const tg_operand *o, void *const *base) {
    tg_ctx *own = ((stream *)s)->own;
    tg_request request = *r;
    tg_operand operand[TG__FEW];
    char *at[TG__FEW];
    tg_tensor any, *t[TG__FEW];
    tg__job *j = (tg__job *)(void *)own->plan.bytes;
    const tg__family *f;
    int64_t n;
    int i, phase;
    (void)user;
    launches++;
    if (!CHECK(r->family > 0 && r->family < TG_FAMILIES && r->n > 0 && r->n <= TG__FEW)) return TG_LAUNCH_FAILED;
    f = families[r->family];
    asked[r->family]++;
    if (answer) return (tg_launch)answer;
    memcpy(operand, o, (size_t)r->n * sizeof *o);
    CHECK_MSG(!names_address(&request, sizeof request) && !names_address(operand, (size_t)r->n * sizeof *o), "a request of family %d holds an address", (int)r->family);
    if ((int)r->family == refused_family) { declined++; return TG_LAUNCH_DECLINED; }
    memset(&any, 0, sizeof any);
    for (i = 0; i < r->n; i++) {
        const bool there = operand[i].use != TG_ABSENT && !operand[i].immediate;
        CHECK_MSG(!there || ((char *)base[i] >= room && (char *)base[i] < room + ROOM), "family %d: operand %d is not on the device", (int)r->family, i);
        if (there && ((char *)base[i] < room || (char *)base[i] >= room + ROOM)) return TG_LAUNCH_FAILED;
        at[i] = !there ? (operand[i].use == TG_ABSENT ? NULL : (char *)&operand[i].bits) : (char *)base[i] + operand[i].offset;
        t[i] = &any;
    }
    j->tg = own; j->r = &request; j->o = operand; j->at = at; j->t = t;
    j->kernels = request.family == TG_FAMILY_MAP ? kernels_of[request.kind] : NULL;
    for (phase = 0; (n = f->start(own, phase, j)) > 0; phase++) { int64_t k; for (k = n; k-- > 0;) open_chunk(j, k, f); }
    if (n < 0) { tg_clear(own); return TG_LAUNCH_DECLINED; }                   /* a value that is an error: the CPU words it */
    memset((void *)(uintptr_t)r, 0xDB, sizeof *r);
    memset((void *)(uintptr_t)o, 0xDB, (size_t)request.n * sizeof *o);
    return TG_LAUNCH_DONE;
}
static int trims;
static const char *device_reason(void *user, void *s) { (void)user; (void)s; return answer ? "it was told to" : NULL; }
static void device_memory(void *user, void *s, size_t *held, size_t *cached) { (void)user; (void)s; *held = used; *cached = (size_t)spares; }
static void device_trim(void *user, void *s) { (void)user; (void)s; trims++; }
static const tg_backend backend = { "test", NULL, device_open, device_close, device_alloc, device_release, device_copy_in, device_copy_out, device_launch, device_reason, device_memory, device_trim };

#include "device_ops.h"

/* Every layer here and, moved, there: results, gradients of operands and parameters, buffers, and the parameters after a step; while it trains and when it does not. */
static void compare_module(const nn_case_t *c, bool training) {
    tg_module *m[2];
    tg_tensor *x[2][NN_OPERANDS], *y[2][NN_RESULTS], *seed[NN_RESULTS];
    const int n = nn_operands(tg, c, x[0]);
    int i, side, k = 0;
    tg_random_state random;
    bool ok = true;
    m[0] = c->m; m[1] = tg_module_copy(c->m);
    CHECK(tg_module_zero_grad(m[0]));                                          /* copies have no gradients */
    CHECK(tg_module_to_device(m[1], OTHER));
    for (i = 0; i < n; i++) {
        x[1][i] = x[0][i] ? tg_to_device(tg_detach(x[0][i]), OTHER) : NULL;
        if (x[0][i] && x[0][i]->requires_grad) (void)tg_require_grad(x[1][i], true);
    }
    random = tg_random_get(tg);
    for (side = 0; side < 2 && ok; side++) {
        tg_random_set(tg, random);
        tg_train(m[side], training);
        k = nn_call(c, m[side], x[side], n, y[side]);
        ok = CHECK_MSG(!tg_failed(tg) && y[side][0], "%s: %s", c->made, tg_error_text(tg));
    }
    for (i = 0; ok && i < k; i++) {
        ok = CHECK_MSG(y[1][i]->device == OTHER && same(tg_contiguous(y[0][i]), home(y[1][i])), "%s: result %d is another on the device", c->made, i);
        seed[i] = tg_randn(tg, y[0][i]->ndim, y[0][i]->shape);
    }
    if (ok && y[0][0]->requires_grad) {
        for (side = 0; side < 2; side++) {
            tg_optim *opt = NULL;
            tg_tensor *loss = NULL;
            for (i = 0; i < k; i++) {
                tg_tensor *part = tg_sum(tg_mul(y[side][i], side ? tg_to_device(seed[i], OTHER) : seed[i]));
                loss = loss ? tg_add(loss, part) : part;
            }
            ok = ok && CHECK_MSG(tg_backward(loss), "%s, backwards: %s", c->made, tg_error_text(tg));
            if (tg_parameters(m[side], NULL, 0)) { opt = tg_optim_sgd(m[side], 0.1, .momentum = TG_IS(0.9)); ok = ok && CHECK_MSG(tg_optim_step(opt), "%s: %s", c->made, tg_error_text(tg)); tg_optim_free(opt); }
        }
        for (i = 0; ok && i < n; i++) if (x[0][i] && x[0][i]->requires_grad)
            CHECK_MSG(!x[0][i]->grad == !x[1][i]->grad && (!x[0][i]->grad || same(tg_contiguous(tg_grad_of(x[0][i])), home(tg_grad_of(x[1][i])))), "%s: gradient of operand %d is another on the device", c->made, i);
    }
    if (ok) {
        tg_dict *a = tg_state_dict(m[0]), *b = tg_state_dict(m[1]);
        CHECK(tg_dict_count(a) == tg_dict_count(b));
        for (i = 0; i < tg_dict_count(a); i++) {
            tg_tensor *p = tg_dict_at(a, i), *q = tg_dict_at(b, i);
            CHECK_MSG(q->device == OTHER && same(tg_contiguous(tg_detach(p)), home(tg_detach(q))), "%s: %s is another on the device", c->made, tg_dict_name(a, i));
            CHECK_MSG(!p->grad == !q->grad && (!p->grad || same(tg_contiguous(tg_grad_of(p)), home(tg_grad_of(q)))), "%s: the gradient of %s is another on the device", c->made, tg_dict_name(a, i));
        }
        tg_dict_free(a); tg_dict_free(b);
    }
    tg_clear(tg);
    tg_module_free(m[1]);
}
static void modules(void) {
    nn_case_t c;
    int i, training;
    for (i = 0; ; i++) {
        tg_mark m = tg_begin(tg);
        const bool more = nn_case(tg, i, &c);
        if (more && CHECK_MSG(c.m != NULL, "%s: %s", c.made, tg_error_text(tg))) for (training = 1; training >= 0; training--) compare_module(&c, training != 0);
        tg_clear(tg);
        tg_module_free(c.m);
        tg_end(tg, m);
        if (!more) break;
    }
    CHECK(i > 100);
}

/* Every module made there has its parameters and buffers there, with the numbers of one made here. */
static void modules_made_there(void) {
    int i, k;
    for (i = 0; ; i++) {
        tg_mark m = tg_begin(tg);
        const tg_random_state random = tg_random_get(tg);
        nn_case_t here, there;
        tg_dict *a, *b;
        const bool more = nn_case(tg, i, &here);
        tg_random_set(tg, random);
        tg_default_device(tg, OTHER);
        if (more) (void)nn_case(tg, i, &there);
        if (more && CHECK_MSG(here.m && there.m && !tg_failed(tg), "%s: %s", here.made, tg_error_text(tg))) {
            a = tg_state_dict(here.m); b = tg_state_dict(there.m);
            CHECK_INT(tg_dict_count(a), tg_dict_count(b));
            for (k = 0; k < tg_dict_count(a); k++) {
                tg_tensor *x = tg_dict_at(a, k), *y = tg_dict_at(b, k);
                CHECK_MSG(x->device == TG_CPU && y->device == OTHER && same(x, home(y)), "%s: %s is another, or elsewhere", here.made, tg_dict_name(a, k));
            }
            tg_dict_free(a); tg_dict_free(b);
        }
        tg_default_device(tg, TG_CPU);
        tg_clear(tg);
        if (more) { tg_module_free(here.m); tg_module_free(there.m); }
        tg_end(tg, m);
        if (!more) break;
    }
}

/* Pictures and texts are made on the CPU, whatever is made elsewhere; of a picture there comes one there. */
static tg_tensor *transformed(tg_tensor *x, int which) {
    tg_dice dice = { 3, 1, 4, 0 };
    switch (which) {
        case 0: return tg_image_pad(x, 2, 1, 3, 2, 0, TG_IMAGE_REFLECT);
        case 1: return tg_image_rotate(x, 30, NULL);
        case 2: return tg_image_gaussian_blur(x, 3, 5, 1, 2);
        case 3: return tg_image_equalize(x);
        case 4: return tg_image_random_erasing(x, &dice, NULL);
        case 5: return tg_image_random_perspective(x, &dice, NULL);
        case 6: return tg_image_normalize(tg_image_to_dtype(x, TG_F32), (const double[]){ 0.5, 0.4, 0.3 }, (const double[]){ 0.2, 0.3, 0.4 }, 3);
        default: return tg_image_random_elastic(x, &dice, &(tg_image_elastic_args){ .sigma = { 1, 1 } });
    }
}
static void test_transforms(void) {
    tg_mark m = tg_begin(tg);
    tg_tensor *x = tg_to(tg_randint(tg, 0, 256, TG_SHAPE(3, 12, 14)), TG_U8);
    int i;
    for (i = 0; i < 8; i++) {
        tg_tensor *y = transformed(x, i), *z;
        tg_default_device(tg, OTHER);
        z = transformed(x, i);
        tg_default_device(tg, TG_CPU);
        CHECK_MSG(y && z && same(tg_contiguous(y), tg_contiguous(z)), "transform %d: %s", i, tg_error_text(tg)); tg_clear(tg);
        z = transformed(tg_to_device(x, OTHER), i);
        CHECK_MSG(y && z && z->device == OTHER && same(tg_contiguous(y), home(z)), "transform %d there: %s", i, tg_error_text(tg)); tg_clear(tg);
    }
    tg_end(tg, m);
}

/* ---- log ---- */
static char last_line[256];
static int lines;
static void log_hook(void *user, tg_log_level level, const char *text) {
    (void)user;
    if (level == TG_LOG_INFO && strstr(text, "leaves the family")) { lines++; snprintf(last_line, sizeof last_line, "%s", text); }
}

/* What the list has not: creation, values in and out, errors worded by the CPU, lists, in place through views, two devices. */
static void test_rest(void) {
    tg_mark m = tg_begin(tg);
    tg_tensor *x = tg_randn(tg, TG_SHAPE(33, 70)), *y = tg_randn(tg, TG_SHAPE(70)), *dx = tg_to_device(x, OTHER), *dy = tg_to_device(y, OTHER), *i, *di, *p, *dp, *l[2];
    float v[70];
    CHECK(dx && dx->data == NULL && dx->place != NULL && tg_to_device(dx, OTHER) == dx);
    CHECK(same(home(tg_zeros_like(dx)), tg_zeros_like(x)) && same(home(tg_full_like(dx, 3)), tg_full_like(x, 3)));
    /* reading waits and copies */
    CHECK(tg_item(tg_sum(dx)) == tg_item(tg_sum(x)) && tg_item_i64(tg_argmax(dx)) == tg_item_i64(tg_argmax(x)));
    CHECK(tg_read_f32(dy, v, 70) && v[3] == ((float *)y->data)[3] && tg_read_f32(tg_slice(dy, "::2"), v, 35) && v[3] == ((float *)y->data)[6]);
    { int64_t at[2] = { 2, 5 }; CHECK(tg_get(dx, at) == tg_get(x, at)); CHECK(!tg_set(dx, at, 3)); CHECK_ERROR(tg, TG_ERROR_UNSUPPORTED); }
    CHECK(tg_write(dy, v, sizeof v)); CHECK(tg_write(tg_slice(dy, "::7"), v, 10 * sizeof(float)));
    CHECK(tg_equal(dx, x) && tg_allclose(dx, x, 0, 0));
    CHECK(same(home(tg_to(dx, TG_F16)), tg_to(x, TG_F16)));
    /* several results, in place, lists */
    dp = tg_sort(dx, 1, true, &di); p = tg_sort(x, 1, true, &i);
    CHECK(same(home(dp), p) && same(home(di), i));
    dp = tg_max_dim(dx, 0, false, &di); p = tg_max_dim(x, 0, false, &i);
    CHECK(same(home(dp), p) && same(home(di), i));
    CHECK(tg_add_(tg_select(dx, 0, 2), tg_to_device(y, OTHER)) && tg_add_(tg_select(x, 0, 2), y) && same(home(dx), x));
    l[0] = l[1] = dx; di = tg_cat(l, 2, 1); l[0] = l[1] = x; CHECK(same(home(di), tg_cat(l, 2, 1)));
    CHECK(same(home(tg_any_dims(tg_slice(dx, "0:0"), TG_DIMS(0), false)), tg_any_dims(tg_slice(x, "0:0"), TG_DIMS(0), false)));
    { tg_random_state s = tg_random_get(tg); dp = tg_bernoulli(tg_full_like(dx, 0.25)); tg_random_set(tg, s); p = tg_bernoulli(tg_full_like(x, 0.25)); CHECK(same(home(dp), p)); }
    /* errors in values: the device declines, the words are the CPU's */
    di = tg_to_device(tg_full(tg, TG_SHAPE(4), 33, TG_I64), OTHER);
    CHECK(!tg_index_select(dx, 0, di)); CHECK(strstr(tg_error_text(tg), "index 33 (element 0 of the indices) is out of range") != NULL); CHECK_ERROR(tg, TG_ERROR_VALUE);
    CHECK(!tg_bernoulli(tg_full_like(dx, 2))); CHECK_ERROR(tg, TG_ERROR_VALUE);
    CHECK(!tg_cross_entropy(tg_slice(dx, "0:4"), tg_to_device(tg_full(tg, TG_SHAPE(4), 70, TG_I64), OTHER))); CHECK(strstr(tg_error_text(tg), "class 70") != NULL); CHECK_ERROR(tg, TG_ERROR_VALUE);
    CHECK(!tg_remainder(di, tg_to_device(tg_zeros_like(tg_arange(tg, 0, 4, 1, TG_I64)), OTHER))); CHECK_ERROR(tg, TG_ERROR_VALUE);
    /* devices do not mix, unknown ones are refused */
    CHECK(!tg_add(dx, y)); CHECK_ERROR(tg, TG_ERROR_UNSUPPORTED);
    CHECK(!tg_matmul(x, tg_t(dx))); CHECK_ERROR(tg, TG_ERROR_UNSUPPORTED);
    CHECK(!tg_to_device(x, TG_CUDA)); CHECK_ERROR(tg, TG_ERROR_UNSUPPORTED);
    CHECK(!tg_to_device(x, (tg_device)9)); CHECK_ERROR(tg, TG_ERROR_UNSUPPORTED);
    CHECK(!tg_device_register(tg, OTHER, &backend)); CHECK_ERROR(tg, TG_ERROR_VALUE);
    CHECK(!tg_device_register(tg, TG_CPU, &backend)); CHECK_ERROR(tg, TG_ERROR_VALUE);
    { tg_backend none = backend; none.launch = NULL; CHECK(!tg_device_register(tg, TG_CUDA, &none)); CHECK_ERROR(tg, TG_ERROR_NULL); }
    /* the gradient comes back to where its leaf is; a second device */
    { tg_tensor *w = tg_require_grad(tg_clone(tg_detach(y)), true); CHECK(tg_backward(tg_sum(tg_square(tg_to_device(w, OTHER))))); CHECK(w->grad && w->grad->device == TG_CPU && same(w->grad, tg_mul_scalar(y, 2))); }
    CHECK(tg_device_register(tg, THIRD, &backend));
    CHECK(same(tg_to_device(tg_to_device(tg_to_device(x, OTHER), THIRD), TG_CPU), x));
    /* printing copies too */
    { char a[400], b[400]; CHECK(tg_format(tg_slice(dx, "0:2, 0:3"), a, sizeof a) == tg_format(tg_slice(x, "0:2, 0:3"), b, sizeof b) && is(a, b)); }
    tg_end(tg, m);
}

/* A number on the CPU goes with tensors of any device, where it is taken as a number; nothing else does, a gradient least of all. */
#define REFUSED(call) (CHECK(!(call)), CHECK_ERROR(tg, TG_ERROR_UNSUPPORTED))
static tg_tensor *comes_home(void *user, tg_tensor *g) { (void)user; return tg_to_device(g, TG_CPU); }
static bool powers(void *user, tg_tensor *const *x, int n, tg_tensor **y, int m) { (void)user; (void)m; y[0] = n == 2 ? tg_sum_dims(tg_pow(tg_exp(x[0]), x[1]), TG_DIMS(0), false) : tg_exp(x[0]); return y[0] != NULL; }
static bool stray_check(tg_ctx *ctx, tg__node *n) { tg_tensor *x = tg_node_in(n, 0); (void)ctx; return tg_node_make(n, 0, x->dtype, x->ndim, x->shape); }
static bool stray_forward(tg_ctx *ctx, tg__node *n) { (void)ctx; (void)n; return true; }
static bool stray_backward(tg_ctx *ctx, tg__node *n, tg_tensor **g, tg_tensor **dx) { (void)ctx; (void)n; dx[0] = tg_to_device(g[0], TG_CPU); return dx[0] != NULL; }
static const tg_op stray = { .name = "stray", .version = 1, .n_in = 1, .n_out = 1, .check = stray_check, .forward = stray_forward, .backward = stray_backward };

/* numbers in derivatives of derivatives, derivative products and checks on a device give what they give on the CPU */
static void test_second_order(void) {
    tg_mark m = tg_begin(tg);
    tg_tensor *x = tg_to(tg_randn(tg, TG_SHAPE(2, 3)), TG_F64), *dx = tg_to_device(x, OTHER), *in[2], *y, *g[2], *gg[2], *want[2], *j[2], *n;
    tg_function_call c;
    int i, side;
    for (side = 0; side < 2; side++) {
        n = tg_require_grad(tg_number(tg, 1.7), true);
        in[0] = tg_require_grad(tg_clone(side ? dx : x), true); in[1] = n;
        y = tg_sum(tg_atan2(tg_pow(tg_exp(in[0]), n), n));
        CHECK(tg_grad(&y, 1, in, 2, g, .create_graph = true)); CHECK_OK(tg);
        y = tg_add(tg_sum(tg_square(g[0])), tg_to_device(tg_mul(g[1], g[1]), g[0] ? g[0]->device : TG_CPU));
        CHECK(tg_grad(&y, 1, in, 2, gg)); CHECK_OK(tg);
        if (!gg[0]) break;
        CHECK(gg[1]->device == TG_CPU);
        if (!side) { want[0] = gg[0]; want[1] = gg[1]; } else CHECK(tg_allclose(home(gg[0]), want[0], 1e-12, 1e-12) && tg_allclose(gg[1], want[1], 1e-12, 1e-12));
        memset(&c, 0, sizeof c); c.f = powers; c.inputs = in; c.n_inputs = 2; c.n_outputs = 1;
        j[side] = tg_jacobian(&c, 0, 0); CHECK(j[side] && j[side]->device == in[0]->device && j[side]->ndim == 3); CHECK_OK(tg);
        CHECK(tg_gradcheck(&c) && tg_gradcheck(&c, .second = true)); CHECK_OK(tg);
        y = tg_detach(n); CHECK(y && y->is_number && tg_mul(dx, y) && tg_mul(tg_to(dx, TG_F16), y)->dtype == TG_F16); CHECK_OK(tg);
    }
    CHECK(same(home(j[1]), j[0]));
    /* a number as gradient goes where the result is; what was written to in place is an operand as any other */
    in[0] = tg_require_grad(tg_to_device(tg_to(tg_zeros(tg, TG_SCALAR), TG_F64), OTHER), true);
    CHECK(tg_backward(in[0], .gradient = tg_number(tg, 0.1)) && in[0]->grad && in[0]->grad->device == OTHER && tg_backward(tg_exp(in[0]))); CHECK_OK(tg);
    CHECK_NEAR(tg_item(in[0]->grad), 1.1, 1e-15);
    y = tg_number(tg, 2); i = (int)(tg_mul_(y, tg_require_grad(tg_ones(tg, TG_SCALAR), true)) != NULL); CHECK(i); REFUSED(tg_mul(dx, y));
    REFUSED(tg_copy_(tg_number(tg, 2), in[0]));
    /* a gradient that an operation of the user's gives on another device than the leaf's is refused */
    in[0] = tg_require_grad(tg_clone(dx), true); y = tg_call(&stray, NULL, in, 1, NULL); REFUSED(tg_backward(y, .gradient = tg_clone(dx))); CHECK(!in[0]->grad);
    tg_end(tg, m);
    CHECK_OK(tg);
}
static void test_numbers(void) {
    tg_mark m = tg_begin(tg);
    tg_tensor *x = tg_randn(tg, TG_SHAPE(6)), *dx = tg_to_device(x, OTHER), *n = tg_require_grad(tg_number(tg, 3), true), *one = tg_integer(tg, 1), *cpu = tg_ones(tg, TG_SHAPE(6)), *w, *h, *g[2], *in[2];
    tg_tensor *zero = tg_to_device(tg_to(tg_zeros(tg, TG_SCALAR), TG_I64), OTHER);
    double sum = tg_item(tg_sum(x)), other;
    int twice;
    /* as an index, whose storage is read, it is no operand of a device's, and so as what is indexed */
    for (twice = 0; twice < 2; twice++, refused_family = TG_FAMILY_INDEX) {     /* asked for and declined */
        REFUSED(tg_gather(dx, 0, one)); REFUSED(tg_index_select(dx, 0, one)); REFUSED(tg_index_select(dx, -1, tg_reshape(one, TG_SHAPE(1)))); REFUSED(tg_gather(tg_number(tg, 3), 0, zero));
        CHECK(same(home(tg_gather(dx, 0, tg_to_device(one, OTHER))), tg_gather(x, 0, one)) && same(home(tg_index_select(dx, 0, tg_to_device(one, OTHER))), tg_index_select(x, 0, one)));
    }
    refused_family = 0;
    /* its gradient comes home, from one device, from two, beside its own place's, twice, and where it is asked for */
    CHECK(tg_backward(tg_sum(tg_mul(dx, n)))); CHECK(n->grad && n->grad->device == TG_CPU && n->grad->dtype == TG_F64 && n->grad->ndim == 0); CHECK_NEAR(tg_item(n->grad), sum, 1e-5);
    CHECK(tg_backward(tg_mul(n, n))); CHECK_NEAR(tg_item(n->grad), sum + 6, 1e-5);
    h = tg_add(tg_to_device(tg_sum(tg_mul(dx, n)), TG_CPU), tg_to_device(tg_sum(tg_mul(n, tg_to_device(x, THIRD))), TG_CPU));
    CHECK(tg_backward(tg_add(h, tg_mul(n, n)))); CHECK(n->grad->device == TG_CPU); CHECK_NEAR(tg_item(n->grad), 3 * sum + 12, 1e-5);
    w = tg_require_grad(tg_clone(dx), true); h = tg_sum(tg_exp(tg_mul(w, n))); in[0] = n; in[1] = w;
    CHECK(tg_grad(&h, 1, in, 2, g, .create_graph = true) && g[0]->device == TG_CPU && g[1]->device == OTHER);
    other = tg_item(tg_sum(tg_mul(x, tg_exp(tg_mul_scalar(x, 3))))); CHECK_NEAR(tg_item(g[0]), other, 1e-4 * fabs(other) + 1e-4);
    h = tg_sum(g[1]); CHECK(tg_grad(&h, 1, in, 2, g) && g[0]->device == TG_CPU && g[1]->device == OTHER);
    { bool was = tg_anomaly(tg, true); CHECK(tg_zero_grad(n) && tg_backward(tg_sum(tg_mul(dx, n))) && n->grad->device == TG_CPU); tg_anomaly(tg, was); }
    CHECK_OK(tg);
    /* a gradient given from elsewhere is refused, for a result and for a leaf, here and there, of a hook too; nothing has arrived */
    w = tg_require_grad(tg_clone(dx), true);
    REFUSED(tg_backward(tg_exp(w), .gradient = cpu)); REFUSED(tg_backward(w, .gradient = cpu));
    h = tg_exp(w); REFUSED(tg_grad(&h, 1, &w, 1, g, .grad_outputs = &cpu)); REFUSED(tg_backward(h, .gradient = tg_to_device(cpu, THIRD)));
    CHECK(!w->grad && tg_backward(h, .gradient = tg_to_device(cpu, OTHER)) && same(home(w->grad), tg_exp(x)));
    w = tg_require_grad(tg_clone(x), true);
    REFUSED(tg_backward(tg_exp(w), .gradient = dx)); REFUSED(tg_backward(w, .gradient = dx)); CHECK(!w->grad);
    w = tg_require_grad(tg_clone(dx), true); h = tg_exp(w); CHECK(tg_hook(h, comes_home, NULL)); REFUSED(tg_backward(tg_sum(h))); CHECK(!w->grad);
    CHECK(tg_hook(w, comes_home, NULL)); REFUSED(tg_backward(tg_sum(w))); CHECK(!w->grad);
    /* memory of a device is one context's */
    { tg_ctx *own = test_open(); CHECK(!tg_share(own, dx)); CHECK_ERROR(own, TG_ERROR_UNSUPPORTED); CHECK_OK(tg); REFUSED(tg_share(tg, dx)); test_close(own); }
    /* of nothing: what is released has the size that was asked for */
    h = tg_to_device(tg_zeros(tg, TG_SHAPE(0, 3)), OTHER);
    CHECK(h && tg_exp(h) && tg_clone(h) && tg_empty_like(h) && tg_to(h, TG_F64) && tg_matmul(h, tg_t(h)) && tg_item(tg_sum(h)) == 0 && tg_mul(h, n) && tg_to_device(tg_to_device(h, THIRD), TG_CPU)); CHECK_OK(tg);
    h = tg_to_device(tg_to(tg_zeros(tg, TG_SHAPE(0, 32)), TG_Q8_0), OTHER); CHECK(h && tg_to(h, TG_F32) && tg_clone(h)); CHECK_OK(tg);
    /* what launch may not answer is an error, not an answer */
    answer = 2; CHECK(!tg_exp(dx)); CHECK(strstr(tg_error_text(tg), "exp: device 'test' failed at 'map' of f32[6], f32[6]: it was told to (") != NULL); CHECK_ERROR(tg, TG_ERROR_UNSUPPORTED);
    for (answer = 3; answer >= -1; answer -= answer == 2 ? 3 : 1) { REFUSED(tg_exp(dx)); REFUSED(tg_sum(dx)); REFUSED(tg_add_(dx, dx)); }
    answer = 0;
    CHECK(same(home(dx), x));
    /* memory of devices is counted and given back; no room is an error of memory */
    CHECK(tg_memory(tg).device == 2 * used && tg_memory(tg).device_cached == 2 * (size_t)spares);       /* two devices share a room */
    tg_trim(tg); CHECK_INT(trims, 2);
    CHECK(!tg_to_device(tg_zeros(tg, TG_SHAPE(ROOM)), OTHER)); CHECK(strstr(tg_error_text(tg), "device 'test' has no room for ") != NULL); CHECK_ERROR(tg, TG_ERROR_MEMORY);
    tg_end(tg, m);
}

/* The trainer carries batches to where its net is, and ends with the bits of the CPU: gradients of two batches added up, a scale, clipping, metrics. */
static void test_trainer(void) {
    static const char *const metrics[] = { "accuracy", "f1", NULL };
    tg_mark m = tg_begin(tg);
    tg_tensor *t[2];
    tg_fit_report r[2];
    tg_module *net[2];
    tg_data *data;
    int side;
    t[0] = tg_randn(tg, TG_SHAPE(22, 3)); t[1] = tg_randint(tg, 0, 2, TG_SHAPE(22));
    data = tg_data_new(t, 2, 4);
    net[0] = tg_nn_sequential(tg, tg_nn_linear(tg, 3, 5), tg_nn_tanh(tg), tg_nn_linear(tg, 5, 2));
    net[1] = tg_module_copy(net[0]);
    CHECK(tg_module_to_device(net[1], OTHER)); CHECK_OK(tg);
    for (side = 0; side < 2; side++) {
        tg_fit_args a;
        memset(&a, 0, sizeof a);
        a.net = net[side]; a.opt = tg_optim_adamw(net[side], 0.05, .loss_scale = 64, .skip_nonfinite = true); a.train = a.valid = data;
        a.epochs = 2; a.accumulate = 2; a.clip = 0.5; a.metrics = metrics; a.show = TG_FIT_QUIET;
        CHECK_MSG(tg_fit(&a, &r[side]), "%s %s", r[side].text, tg_error_text(tg));
        tg_optim_free(a.opt);
    }
    CHECK(r[0].steps == 6 && r[0].valid_loss <= r[1].valid_loss && r[0].valid_loss >= r[1].valid_loss && r[0].metric[0] <= r[1].metric[0] && r[0].metric[0] >= r[1].metric[0]);
    CHECK(same(home(tg_module_tensor_at(net[1], "0.weight")), tg_module_tensor_at(net[0], "0.weight")));
    tg_module_free(net[0]); tg_module_free(net[1]); tg_data_free(data);
    CHECK_OK(tg);
    tg_end(tg, m);
}
int main(void) {
    int f;
    room = (char *)mmap(NULL, ROOM, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == (char *)MAP_FAILED) { printf("SKIP no memory that can be protected\n"); return test_end("device"); }
    tg = test_open();
    if (!tg) return test_end("device");
    CHECK(!tg_to_device(tg_ones(tg, TG_SHAPE(2)), OTHER)); CHECK_ERROR(tg, TG_ERROR_UNSUPPORTED);
    tg->config.hooks.log = log_hook;
    CHECK(tg_device_register(tg, OTHER, &backend));
    read_maps();
    creations(); all_ops(false); optimisers(); modules(); modules_made_there(); test_transforms();
    for (f = 1; f < TG_FAMILIES; f++) CHECK_MSG(asked[f] > 0, "family %d was never asked for", f);
    CHECK(declined == 0 && lines == 0);
    test_move();
    test_rest();
    test_numbers();
    test_second_order();
    test_trainer();
    lines = 0; tg->devices[OTHER].told = 0;
    for (refused_family = 1; refused_family < TG_FAMILIES; refused_family++) {
        declined = 0; lines = 0;
        all_ops(true); optimisers();
        CHECK_MSG(declined > 0 && lines == 1 && strstr(last_line, families[refused_family]->name), "family %d: %d declined, %d lines, the last '%s'", refused_family, declined, lines, last_line);
    }
    test_close(tg);
    CHECK_INT(allocated, 0);
    CHECK_INT(opened, 0);
    return test_end("device");
}
#else
int main(void) { printf("SKIP no mprotect here\n"); return test_end("device"); }
#endif
