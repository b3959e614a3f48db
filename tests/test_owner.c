/* TENSORGRAD_DEBUG finds a context that two threads use at once: the second one's call is refused, and the message says so. From inside a call of an operation of its own this test
   starts a thread that uses the same context and waits for it, so nothing here depends on time. One thread after the other, and a context for each, are no mistake. run.sh flags: -pthread */
#define TENSORGRAD_DEBUG
#define TENSORGRAD_TEACH
#include "test.h"
#include <math.h>
#include <pthread.h>

static tg_tensor *shared, *result;
static void *uses(void *arg) { (void)arg; result = tg_neg(shared); return NULL; }
static void *reads(void *arg) { (void)arg; result = isfinite(tg_item(shared)) ? shared : NULL; return NULL; }
static void *has_its_own(void *arg) {
    tg_ctx *own = tg_open(NULL);
    (void)arg;
    result = tg_item(tg_sum(tg_ones(own, TG_SHAPE(3)))) == 3 ? shared : NULL;
    tg_close(own);
    return NULL;
}
static bool run(void *(*f)(void *)) {
    pthread_t t;
    if (pthread_create(&t, NULL, f, NULL)) return false;
    pthread_join(t, NULL);
    return true;
}

static void *(*other)(void *);
static bool check(tg_ctx *tg, tg__node *n) { const tg_tensor *x = tg_node_in(n, 0); (void)tg; return tg_node_make(n, 0, x->dtype, x->ndim, x->shape); }
static bool forward(tg_ctx *tg, tg__node *n) { (void)tg; return run(other) && tg_zero_(tg_node_out(n, 0)) != NULL; }

int main(void) {
    tg_op op;
    tg_ctx *tg = test_open();
    tg_tensor *x;
    memset(&op, 0, sizeof op);
    op.name = "waits"; op.version = 1; op.n_in = 1; op.n_out = 1; op.check = check; op.forward = forward;
    x = tg_ones(tg, TG_SHAPE(1));
    shared = x;
    CHECK(run(uses) && result && tg_item(result) == -1);               /* one after the other */
    CHECK_OK(tg);
    other = uses; result = x;
    CHECK(!tg_call(&op, NULL, &x, 1, NULL) && !result);
    CHECK(strstr(tg_error_text(tg), "another thread is inside this context") != NULL);
    CHECK_ERROR(tg, TG_ERROR_CONTEXT);
    other = reads; result = x;
    CHECK(!tg_call(&op, NULL, &x, 1, NULL) && !result);
    CHECK_ERROR(tg, TG_ERROR_CONTEXT);
    other = has_its_own;
    CHECK(tg_call(&op, NULL, &x, 1, NULL) && result);                  /* and nobody owns it afterwards */
    CHECK(run(uses) && result && tg_item(result) == -1);
    CHECK_OK(tg);
    test_close(tg);
    return test_end("owner");
}
