/* A small runner for tests/test_*.c: includes the implementation, counts, prints what failed, and closes with the line that tests/run.sh reads.

       #include "test.h"
       int main(void) {
           tg_ctx *tg = test_open();                      a context that prints nothing
           CHECK(tg_item(tg_sum(tg_ones(tg, TG_SHAPE(3)))) == 3);
           CHECK_NEAR(tg_item(tg_exp(tg_number(tg, 1))), 2.718281828, 1e-6);
           (void)tg_matmul(tg_ones(tg, TG_SHAPE(2, 3)), tg_ones(tg, TG_SHAPE(2, 3)));
           CHECK_ERROR(tg, TG_ERROR_SHAPE);               an error of that kind is pending; clears it
           test_close(tg);
           return test_end("example");
       }

   test_heap is an allocator that counts, fails the nth call (or every call from the nth on), and notices leaks, double frees, writes past the end and
   releases with another size or alignment than the block was asked for:

       test_heap heap = TEST_HEAP;
       for (heap.fail_at = 1; ; heap.fail_at++) {         each allocation fails once
           tg_ctx *tg = test_open_heap(&heap);
           ... work that must end in TG_ERROR_MEMORY or succeed ...
           test_close(tg);
           if (!test_heap_ended(&heap)) break;            CHECKs that all came back; false when the work needs fewer allocations than fail_at
       }                                                                                                                            */
#ifndef TEST_H
#define TEST_H

#ifndef TENSORGRAD_H
#define TENSORGRAD_IMPLEMENTATION
#include "../tensorgrad.h"
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* So many rows of a few numbers that no loop over them ends, and yet a shape that can be addressed: what must look at each stored element once is given them. */
#define TEST_HUGE ((int64_t)1 << (sizeof(size_t) > 4 ? 55 : 26))

#if defined(__GNUC__)
#define TEST_MAYBE static __attribute__((unused))
#define TEST_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define TEST_MAYBE static
#define TEST_PRINTF(f, a)
#endif
#include <stdarg.h>

static int test_passed, test_failed, test_skipped;

/* ---- checks: file and line of what failed; the first 40 of them in full ---- */
TEST_MAYBE TEST_PRINTF(4, 5) int test_check(int ok, const char *file, int line, const char *format, ...) {
    va_list list;
    if (ok) { test_passed++; return 1; }
    if (++test_failed > 40) return 0;
    printf("FAIL %s:%d: ", file, line);
    va_start(list, format);
    vprintf(format, list);
    va_end(list);
    printf("\n");
    fflush(stdout);
    return 0;
}
TEST_MAYBE int test_near(double a, double b, double tolerance) {          /* NaN is near NaN, an infinity near itself */
    return a == b || (a != a && b != b) || (a - b <= tolerance && b - a <= tolerance);
}
TEST_MAYBE int test_error(tg_ctx *tg, tg_error_code code, const char *file, int line) {
    int ok = test_check(tg_error(tg) == code, file, line, "error %d was expected, but it is %d: %s", (int)code, (int)tg_error(tg), tg_error_text(tg));
    tg_clear(tg);
    return ok;
}
TEST_MAYBE int test_text(const char *got, const char *want, const char *file, int line) {
    return test_check(got && want && strcmp(got, want) == 0, file, line, "the texts differ\n  got:  %s\n  want: %s", got ? got : "(null)", want ? want : "(null)");
}
/* Every CHECK is an expression that is true when it held: if (!CHECK(t)) return; */
#define CHECK(c)                    test_check((c) ? 1 : 0, __FILE__, __LINE__, "%s", #c)
#define CHECK_MSG(c, ...)           test_check((c) ? 1 : 0, __FILE__, __LINE__, __VA_ARGS__)
#define CHECK_INT(a, b)             test_check((int64_t)(a) == (int64_t)(b), __FILE__, __LINE__, "%s: %.0f, but %s is %.0f", #a, (double)(a), #b, (double)(b))
#define CHECK_NEAR(a, b, tolerance) test_check(test_near(a, b, tolerance), __FILE__, __LINE__, "%s: %.9g, but %s is %.9g", #a, (double)(a), #b, (double)(b))
#define CHECK_TEXT(a, b)            test_text(a, b, __FILE__, __LINE__)
#define CHECK_OK(tg)                test_check(!tg_failed(tg), __FILE__, __LINE__, "an error is pending: %s", tg_error_text(tg))
#define CHECK_ERROR(tg, code)       test_error(tg, code, __FILE__, __LINE__)
#define SKIP(why)                   (test_skipped++, (void)printf("skip %s:%d: %s\n", __FILE__, __LINE__, why))

/* The closing line; returns what main returns. */
TEST_MAYBE int test_end(const char *name) {
    if (test_failed > 40) printf("... and %d more\n", test_failed - 40);
    printf("%s: %d passed, %d failed, %d skipped\n", name, test_passed, test_failed, test_skipped);
    return test_failed != 0;
}

/* True in `sh tests/run.sh all`: the slow parts too. */
TEST_MAYBE int test_all(void) { const char *s = getenv("TG_TEST_ALL"); return s && *s && *s != '0'; }

/* The same numbers on every machine. */
static uint64_t test_random_state = 88172645463325252u;
TEST_MAYBE uint32_t test_random(void) {
    test_random_state ^= test_random_state << 13;
    test_random_state ^= test_random_state >> 7;
    test_random_state ^= test_random_state << 17;
    return (uint32_t)(test_random_state >> 32);
}
TEST_MAYBE double test_uniform(double low, double high) { return low + (high - low) * (double)test_random() / 4294967296.0; }

/* FNV-1a over bytes, for comparing bits between runs and builds. */
TEST_MAYBE uint64_t test_hash(uint64_t hash, const void *p, size_t size) {
    const unsigned char *b = (const unsigned char *)p;
    size_t i;
    if (!hash) hash = 14695981039346656037u;
    for (i = 0; i < size; i++) hash = (hash ^ b[i]) * 1099511628211u;
    return hash;
}
#ifndef TENSORGRAD_NO_IO
TEST_MAYBE uint64_t test_hash_weights(tg_module *m) {           /* of all parameters and buffers */
    tg_dict *d = tg_state_dict(m);
    uint64_t hash = 0;
    int64_t i;
    for (i = 0; i < tg_dict_count(d); i++) hash = test_hash(hash, tg_dict_at(d, i)->data, tg_dtype_bytes(tg_dict_at(d, i)->dtype, tg_dict_at(d, i)->numel));
    tg_dict_free(d);
    return hash;
}
#endif

/* ---- the allocator ----
   Before each block stands a test_block, after it 16 bytes that must not change. The last 512 released blocks are held back and filled, so that a second release and a
   late write are seen. */
#define TEST_BLOCK_LIVE 0x6576696cu
#define TEST_BLOCK_DEAD 0x64616564u
typedef struct test_block { uint32_t state; uint32_t unused; size_t size, align, offset; struct test_block *next, *last; } test_block;
typedef struct test_heap {
    long calls;                 /* allocations asked for since the last test_heap_ended                          */
    long fail_at;               /* this call gives NULL, and so does the next if it asks for the same again, as the
                                   library does when it has given back its cache; 0: none                        */
    long fail_from;             /* this call and every later one give NULL; 0: none                              */
    long failures;              /* how often NULL was given                                                      */
    long blocks;                /* live now                                                                      */
    size_t bytes, peak;         /* live now, and the most                                                        */
    long mistakes;              /* wrong size or alignment at release, double free, written outside, or after    */
    test_block *live, *dead, *dead_end;
    long dead_count;
    size_t refused;             /* the size of the call fail_at                                                  */
    uint32_t lock;
} test_heap;
#ifdef __cplusplus
#define TEST_HEAP {}
#else
#define TEST_HEAP {0}
#endif

#if defined(__GNUC__) && !defined(__TINYC__)
TEST_MAYBE void test_lock(test_heap *h)   { while (__atomic_exchange_n(&h->lock, 1u, __ATOMIC_ACQUIRE)) { } }
TEST_MAYBE void test_unlock(test_heap *h) { __atomic_store_n(&h->lock, 0u, __ATOMIC_RELEASE); }
#else
TEST_MAYBE void test_lock(test_heap *h)   { (void)h; }
TEST_MAYBE void test_unlock(test_heap *h) { (void)h; }
#endif
TEST_MAYBE void test_mistake(test_heap *h, const char *what, const test_block *b) {
    if (++h->mistakes <= 10) { printf("FAIL allocator: %s (block of %lu bytes, align %lu)\n", what, (unsigned long)b->size, (unsigned long)b->align); fflush(stdout); }
}
TEST_MAYBE test_block *test_block_of(void *p) {                            /* the address of the block's header is kept right before p */
    test_block *b;
    memcpy(&b, (char *)p - sizeof b, sizeof b);
    return b;
}
TEST_MAYBE void test_bury(test_heap *h) {                                  /* really frees the oldest dead block */
    test_block *b = h->dead;
    size_t i;
    for (i = 0; i < b->size; i++) if (((unsigned char *)b)[b->offset + i] != 0xdd) { test_mistake(h, "written after its release", b); break; }
    h->dead = b->next;
    if (!h->dead) h->dead_end = NULL;
    h->dead_count--;
    free(b);
}
TEST_MAYBE void *test_alloc(void *user, size_t size, size_t align) {
    test_heap *h = (test_heap *)user;
    test_block *b;
    char *p;
    test_lock(h);
    h->calls++;
    if (h->calls == h->fail_at) h->refused = size;
    if (h->fail_at && (h->calls == h->fail_at || (h->calls == h->fail_at + 1 && size == h->refused))) { h->failures++; test_unlock(h); return NULL; }
    if (h->fail_from && h->calls >= h->fail_from) { h->failures++; test_unlock(h); return NULL; }
    if (align < 1) align = 1;
    if (size > SIZE_MAX / 2 - align) { test_unlock(h); return NULL; }
    b = (test_block *)malloc(sizeof *b + sizeof b + align + size + 16);
    if (!b) { test_unlock(h); return NULL; }
    p = (char *)(b + 1) + sizeof b;
    p += (align - (size_t)(uintptr_t)p % align) % align;
    b->state = TEST_BLOCK_LIVE;
    b->size = size; b->align = align; b->offset = (size_t)(p - (char *)b);
    b->last = NULL; b->next = h->live;
    if (h->live) h->live->last = b;
    h->live = b;
    memcpy(p - sizeof b, &b, sizeof b);
    memset(p, 0xcd, size);                                                 /* what is read before it is written shows */
    memset(p + size, 0x5a, 16);
    h->blocks++;
    h->bytes += size;
    if (h->bytes > h->peak) h->peak = h->bytes;
    test_unlock(h);
    return p;
}
TEST_MAYBE void test_release(void *user, void *p, size_t size, size_t align) {
    test_heap *h = (test_heap *)user;
    test_block *b;
    int i;
    if (!p) return;
    test_lock(h);
    b = test_block_of(p);
    if (b->state == TEST_BLOCK_DEAD) { test_mistake(h, "released twice", b); test_unlock(h); return; }
    if (b->state != TEST_BLOCK_LIVE) { h->mistakes++; printf("FAIL allocator: released what it never gave\n"); test_unlock(h); return; }
    if (b->size != size || b->align != align) {
        test_mistake(h, "released with another size or alignment", b);
        if (h->mistakes <= 10) printf("     as %lu bytes, align %lu\n", (unsigned long)size, (unsigned long)align);
    }
    for (i = 0; i < 16; i++) if (((unsigned char *)p)[b->size + (size_t)i] != 0x5a) { test_mistake(h, "written past its end", b); break; }
    if (b->last) b->last->next = b->next; else h->live = b->next;
    if (b->next) b->next->last = b->last;
    h->blocks--;
    h->bytes -= b->size;
    b->state = TEST_BLOCK_DEAD;
    memset(p, 0xdd, b->size);
    b->next = b->last = NULL;
    if (h->dead_end) h->dead_end->next = b; else h->dead = b;
    h->dead_end = b;
    h->dead_count++;
    while (h->dead_count > 512 || (h->dead && b->size > ((size_t)1 << 20) && h->dead != b)) test_bury(h);
    test_unlock(h);
}
/* After the context was closed: everything came back in order. Resets the counts but not fail_at. Returns true if an allocation was made to fail. */
TEST_MAYBE bool test_heap_ended(test_heap *h) {
    bool failed = h->failures > 0;
    while (h->dead) test_bury(h);
    test_check(h->blocks == 0, __FILE__, __LINE__, "%ld blocks of %lu bytes were never released (failing allocation: %ld)", h->blocks, (unsigned long)h->bytes, h->fail_at);
    test_check(h->mistakes == 0, __FILE__, __LINE__, "%ld mistakes with the allocator (failing allocation: %ld)", h->mistakes, h->fail_at);
    while (h->live) { test_block *b = h->live; h->live = b->next; free(b); }
    h->calls = h->failures = h->blocks = h->mistakes = 0;
    h->bytes = h->peak = 0;
    return failed;
}

/* ---- contexts ---- */
TEST_MAYBE void test_quiet(void *user, tg_log_level level, const char *text) { (void)user; (void)level; (void)text; }

/* A configuration that prints nothing, over a heap if there is one; change it and give it to tg_open. */
TEST_MAYBE tg_config test_config(test_heap *heap) {
    tg_config c;
    memset(&c, 0, sizeof c);
    c.hooks.log = test_quiet;
    if (heap) { c.hooks.alloc = test_alloc; c.hooks.release = test_release; c.hooks.alloc_user = heap; }
    return c;
}
TEST_MAYBE tg_ctx *test_open_heap(test_heap *heap) { tg_config c = test_config(heap); return tg_open(&c); }
TEST_MAYBE tg_ctx *test_open(void) {
    tg_ctx *tg = test_open_heap(NULL);
    CHECK(tg != NULL);
    return tg;
}
TEST_MAYBE void test_close(tg_ctx *tg) { tg_close(tg); }

#endif
