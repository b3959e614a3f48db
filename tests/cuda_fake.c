/* A driver and a compiler of the test's own: the functions of libcuda.so.1 and libnvrtc.so.12 that tensorgrad_cuda.h calls, on the host. Programs are the text itself; a launch runs the kernel that
   this file has compiled from the same text, one block after the other; and those of libcublasLt.so.13 and libcudnn.so.9, which multiply and convolve as their descriptors tell. FAKE_DRIVER,
   FAKE_COMPILER, FAKE_BLAS and FAKE_DNN choose which of the libraries this becomes.
   Device memory lies in pages that nobody may touch but for the length of a launch or a copy. Streams may be lazy: what is put on them is done only when somebody waits for it, so that what
   does not wait and should has wrong numbers. Each call can be made to fail: cuda_fake.h. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "cuda_fake.h"

fake_state tg_fake = { .capability = 80 };

/* Is it this call's turn? */
static int fails(const char *name) {
    tg_fake.calls++;
    if (tg_fake.fail_at && tg_fake.calls == tg_fake.fail_at) { snprintf(tg_fake.failed, sizeof tg_fake.failed, "%s", name); return tg_fake.code; }
    return 0;
}
#define TURN(name) do { const int code = fails(name); if (code) return code; } while (0)

#if defined(FAKE_COMPILER)
/* ---- NVRTC ---- */
typedef struct program { char *text; int compiled; } program;
int nvrtcVersion(int *major, int *minor) { TURN("nvrtcVersion"); *major = 12; *minor = tg_fake.version; return 0; }
int nvrtcGetNumSupportedArchs(int *n) { TURN("nvrtcGetNumSupportedArchs"); *n = 2; return 0; }
int nvrtcGetSupportedArchs(int *archs) { TURN("nvrtcGetSupportedArchs"); archs[0] = 75; archs[1] = 80; return 0; }
int nvrtcCreateProgram(void **to, const char *text, const char *name, int n, const char *const *headers, const char *const *names) {
    program *p;
    (void)name; (void)n; (void)headers; (void)names;
    TURN("nvrtcCreateProgram");
    p = (program *)calloc(1, sizeof *p);
    p->text = strdup(text);
    *to = p;
    tg_fake.programs++;
    return 0;
}
int nvrtcDestroyProgram(void **at) { program *p = (program *)*at; free(p->text); free(p); tg_fake.programs--; *at = NULL; TURN("nvrtcDestroyProgram"); return 0; }
int nvrtcCompileProgram(void *at, int n, const char *const *options) {
    int i, fmad = 0, arch = 0;
    TURN("nvrtcCompileProgram");
    for (i = 0; i < n; i++) { fmad |= !strcmp(options[i], "--fmad=false"); arch |= !strcmp(options[i], tg_fake.capability == 75 ? "--gpu-architecture=sm_75" : tg_fake.capability == 80 ? "--gpu-architecture=sm_80" : "--gpu-architecture=compute_80"); }
    if (!fmad || !arch || strncmp(((program *)at)->text, "#define TG__CU_TYPE ", 20) != 0) return 6;
    ((program *)at)->compiled = 1; tg_fake.compiled++;
    return 0;
}
int nvrtcGetProgramLogSize(void *at, size_t *size) { (void)at; TURN("nvrtcGetProgramLogSize"); *size = 22; return 0; }
int nvrtcGetProgramLog(void *at, char *log) { (void)at; TURN("nvrtcGetProgramLog"); memcpy(log, "a message of its own.", 22); return 0; }
static int size_of(void *at, size_t *size) { if (!((program *)at)->compiled) return 5; *size = strlen(((program *)at)->text) + 1; return 0; }
int nvrtcGetCUBINSize(void *at, size_t *size) { TURN("nvrtcGetCUBINSize"); return tg_fake.capability <= 80 ? size_of(at, size) : 5; }
int nvrtcGetCUBIN(void *at, char *to) { TURN("nvrtcGetCUBIN"); strcpy(to, ((program *)at)->text); return 0; }
int nvrtcGetPTXSize(void *at, size_t *size) { TURN("nvrtcGetPTXSize"); return size_of(at, size); }
int nvrtcGetPTX(void *at, char *to) { TURN("nvrtcGetPTX"); strcpy(to, ((program *)at)->text); return 0; }
#endif

#if defined(FAKE_DRIVER) && defined(FAKE_WATCH)
/* ---- the watch: barriers that are missing ----
   The emulation runs a kernel's loops one after the other and each loop's threads in turn, so a barrier too few changes nothing here and everything on a GPU. This file, compiled with
   -fsanitize=thread and linked without its library, calls __tsan_read4(address) and its kind at every access: here these are functions of the test's own. Of each byte of device memory and of
   shared arrays they remember who touched it last and between which barriers: two threads of a block that touch one between the same two barriers, or two blocks of a launch, one of them
   writing, are a race. What stands outside of the loops every thread does. The state is volatile because gcc takes it for granted that the functions do not look at it. */
typedef struct mark { uint32_t wrote, read, other; int16_t writer, reader; } mark;      /* when, counted in barriers; the launch in which two blocks read it; EVERY: more than one */
enum { EVERY = -1, AREAS = 32 };
#define OUTER __attribute__((no_sanitize("thread")))
#define UNSEEN OUTER static
static struct { volatile uint32_t now, block, launch; volatile int on, who, areas, blind; const char *kernel; struct { const char *name; char *p; size_t size; mark *marks; size_t room; } area[AREAS]; } watch = { 1, 1, 1, 0, EVERY, 0, 0, NULL, { { 0 } } };
static mark *room_marks;
static char *room;
extern const char watch_base[] __asm__("__ehdr_start");
UNSEEN void watch_area(const char *name, void *p, size_t size) {
    const int i = watch.areas++;
    if (watch.areas > AREAS) abort();
    if (watch.area[i].room < size) { free(watch.area[i].marks); watch.area[i].marks = (mark *)malloc(size * sizeof(mark)); watch.area[i].room = size; }
    memset(watch.area[i].marks, 0, size * sizeof(mark));
    watch.area[i].name = name; watch.area[i].p = (char *)p; watch.area[i].size = size;
}
UNSEEN void watch_race(const char *what, const char *name, size_t place, int before, const void *from) {
    static const void *seen[256];
    int i;
    for (i = 0; i < tg_fake.races && i < 256; i++) if (seen[i] == from) return;
    if (tg_fake.races < 256) seen[tg_fake.races] = from;
    tg_fake.races++;
    if (watch.kernel) fprintf(stderr, "FAIL a race in %s: thread %d %s byte %ld of %s after thread %d (at %p of this library)\n", watch.kernel, watch.who, what, (long)place, name ? name : "device memory", before,
        (void *)((const char *)from - watch_base));
}
UNSEEN void watch_touch(const void *at, size_t size, int writes, const void *from) {
    const char *const p = (const char *)at;
    const char *name = NULL;
    mark *m = NULL;
    size_t k;
    const uint32_t now = watch.now, block = watch.block, launch = watch.launch;
    const int who = watch.who, areas = watch.areas;
    int i = 0;
    if (!watch.on) return;
    if (room && p >= room && p < room + FAKE_ROOM) m = room_marks + (p - room);
    else {
        for (i = 0; i < areas && (size_t)(p - watch.area[i].p) >= watch.area[i].size; i++) { }
        if (i == areas) return;
        m = watch.area[i].marks + (p - watch.area[i].p); name = watch.area[i].name;
    }
    for (k = 0; k < size; k++, m++) {
        const size_t where = (size_t)(p + k - (name ? watch.area[i].p : room));
        if (m->wrote == now && m->writer != who) watch_race(writes ? "writes again" : "reads", name, where, m->writer, from);
        else if (!name && m->wrote >= launch && m->wrote < block) watch_race(writes ? "writes, in another block," : "reads, in another block,", name, where, m->writer, from);
        if (writes) {
            if (m->read == now && (m->reader != who || who == EVERY)) watch_race("overwrites", name, where, m->reader, from);
            else if (!name && ((m->read >= launch && m->read < block) || m->other == launch)) watch_race("overwrites, in another block,", name, where, m->reader, from);
            m->wrote = now; m->writer = (int16_t)who;
        } else {
            if (!name && m->read >= launch && m->read < block) m->other = launch;
            m->reader = (int16_t)(m->read != now || m->reader == who ? who : EVERY);
            m->read = now;
        }
    }
}
#define TOUCH(n) \
    OUTER void __tsan_read##n(void *p) { watch_touch(p, n, 0, __builtin_return_address(0)); } OUTER void __tsan_write##n(void *p) { watch_touch(p, n, 1, __builtin_return_address(0)); } \
    OUTER void __tsan_volatile_read##n(void *p) { watch_touch(p, n, 0, __builtin_return_address(0)); } OUTER void __tsan_volatile_write##n(void *p) { watch_touch(p, n, 1, __builtin_return_address(0)); }
#define TOUCH_UNALIGNED(n) TOUCH(n) \
    OUTER void __tsan_unaligned_read##n(void *p) { watch_touch(p, n, 0, __builtin_return_address(0)); } OUTER void __tsan_unaligned_write##n(void *p) { watch_touch(p, n, 1, __builtin_return_address(0)); }
TOUCH(1) TOUCH_UNALIGNED(2) TOUCH_UNALIGNED(4) TOUCH_UNALIGNED(8) TOUCH_UNALIGNED(16)
OUTER void __tsan_read_range(void *p, long n) { watch_touch(p, (size_t)n, 0, __builtin_return_address(0)); }
OUTER void __tsan_write_range(void *p, long n) { watch_touch(p, (size_t)n, 1, __builtin_return_address(0)); }
OUTER void __tsan_func_entry(void *p) { (void)p; }
OUTER void __tsan_func_exit(void *p) { (void)p; }
OUTER void __tsan_init(void) { }
UNSEEN int watch_goes(int t) { watch.who = t < 256 ? t : EVERY; return t < 256; }
UNSEEN void watch_barrier(void) { if (!watch.blind) watch.now++; __asm__ volatile("" ::: "memory"); }
#define TG__CU_GOES(t) watch_goes(t)
#define TG__CU_WHO watch.who
#define TG__CU_AS(t) watch.who = t;
#define TG__CU_BARRIER watch_barrier();
#define TG__CU_WATCH(name) watch_area(#name, name, sizeof name);
#define TG__CU_FLAG(p, bits) { watch.on = 0; *(p) |= (bits); watch.on = 1; }      /* atomic */
#endif

#if defined(FAKE_DRIVER)
/* ---- the kernels: the text for each type, then the rows of the formula table, as the header asks NVRTC for them ---- */
#define TG__CU_MISPLACED abort();                                              /* a load or store where its bytes do not lie: a fault on a device */
#include "cuda_words.inc"
#define TG__CU_TYPE 32
#include "cuda_kernels.inc"
#define TG_F1(name, types, saves, value, dx, domain, doc) TG__CU_VALUE1(tg__cu_map_##name##_0_f32, value) TG__CU_DERIVE1(tg__cu_map_##name##_1_f32, dx)
#define TG_F2(name, types, saves, value, da, db, domain, doc) TG__CU_VALUE2(tg__cu_map_##name##_0_f32, value) TG__CU_DERIVE2(tg__cu_map_##name##_1_f32, da) TG__CU_DERIVE2(tg__cu_map_##name##_2_f32, db)
#define TG_F3(name, types, saves, value, da, db, dc, domain, doc) TG__CU_VALUE3(tg__cu_map_##name##_0_f32, value) TG__CU_DERIVE3(tg__cu_map_##name##_1_f32, da) TG__CU_DERIVE3(tg__cu_map_##name##_2_f32, db) TG__CU_DERIVE3(tg__cu_map_##name##_3_f32, dc)
#define TG_READ_ROWS
#include "../tensorgrad.h"
#undef TG__CU_TYPE
#define TG__CU_TYPE 64
#include "cuda_kernels.inc"
#define TG_F1(name, types, saves, value, dx, domain, doc) TG__CU_VALUE1(tg__cu_map_##name##_0_f64, value) TG__CU_DERIVE1(tg__cu_map_##name##_1_f64, dx)
#define TG_F2(name, types, saves, value, da, db, domain, doc) TG__CU_VALUE2(tg__cu_map_##name##_0_f64, value) TG__CU_DERIVE2(tg__cu_map_##name##_1_f64, da) TG__CU_DERIVE2(tg__cu_map_##name##_2_f64, db)
#define TG_F3(name, types, saves, value, da, db, dc, domain, doc) TG__CU_VALUE3(tg__cu_map_##name##_0_f64, value) TG__CU_DERIVE3(tg__cu_map_##name##_1_f64, da) TG__CU_DERIVE3(tg__cu_map_##name##_2_f64, db) TG__CU_DERIVE3(tg__cu_map_##name##_3_f64, dc)
#define TG_READ_ROWS
#include "../tensorgrad.h"
#undef TG__CU_TYPE
#define TG__CU_TYPE 0
#include "cuda_kernels.inc"
/* the rule decides the form */
#define FORM1_ANY TG__CU_VALUE1
#define FORM2_ANY TG__CU_VALUE2
#define FORM2_NO_BOOL TG__CU_VALUE2
#define FORM2_NUMBERS TG__CU_VALUE2
#define FORM2_POWER TG__CU_VALUE2
#define FORM2_WHOLE_P0 TG__CU_VALUE2
#define FORM2_NO_ZERO TG__CU_DIVIDE2
#define TG_I1(name, rule, value) FORM1_##rule(tg__cu_map_##name##_0_i64, value)
#define TG_I2(name, rule, value) FORM2_##rule(tg__cu_map_##name##_0_i64, value)
#define TG_W2(name, rule, value, doc) TG_I2(name, rule, value)
#define TG_I3(name, rule, value) TG__CU_VALUE3(tg__cu_map_##name##_0_i64, value)
#define TG_READ_ROWS
#include "../tensorgrad.h"

typedef struct kernel { const char *name; void (*run)(const void *arguments, int64_t block, int64_t blocks); size_t size; } kernel;
#define IS(name) { #name, name, name##_size },
#define BOTH(name) IS(name##_f32) IS(name##_f64)
#define ALL(name) BOTH(name) IS(name##_i64)
#define KINDS(name) IS(tg__cu_runs_##name) IS(tg__cu_short_##name) IS(tg__cu_columns_##name) IS(tg__cu_join_##name)
static const kernel kernels[] = {
#define TG_F1(name, types, saves, value, dx, domain, doc) BOTH(tg__cu_map_##name##_0) BOTH(tg__cu_map_##name##_1)
#define TG_F2(name, types, saves, value, da, db, domain, doc) BOTH(tg__cu_map_##name##_0) BOTH(tg__cu_map_##name##_1) BOTH(tg__cu_map_##name##_2)
#define TG_F3(name, types, saves, value, da, db, dc, domain, doc) BOTH(tg__cu_map_##name##_0) BOTH(tg__cu_map_##name##_1) BOTH(tg__cu_map_##name##_2) BOTH(tg__cu_map_##name##_3)
#define TG_I1(name, rule, value) IS(tg__cu_map_##name##_0_i64)
#define TG_I2 TG_I1
#define TG_I3 TG_I1
#define TG_W2(name, rule, value, doc) IS(tg__cu_map_##name##_0_i64)
#define TG_READ_ROWS
#include "../tensorgrad.h"
    ALL(tg__cu_cast) IS(tg__cu_unpack_f32) IS(tg__cu_pack_f32) IS(tg__cu_ramp_f64) IS(tg__cu_ramp_i64) IS(tg__cu_copy_8_i64) IS(tg__cu_copy_16_i64) IS(tg__cu_copy_32_i64) IS(tg__cu_copy_64_i64) IS(tg__cu_fill_8_i64) IS(tg__cu_fill_16_i64) IS(tg__cu_fill_32_i64) IS(tg__cu_fill_64_i64) IS(tg__cu_turn_8_i64) IS(tg__cu_turn_16_i64) IS(tg__cu_turn_32_i64) IS(tg__cu_turn_64_i64)
    ALL(tg__cu_random) KINDS(sum_f32) KINDS(prod_f32) KINDS(max_f32) KINDS(min_f32) KINDS(sum_f64) KINDS(prod_f64) KINDS(max_f64) KINDS(min_f64) KINDS(sum_i64) KINDS(prod_i64) KINDS(max_i64) KINDS(min_i64)
    BOTH(tg__cu_softmax) BOTH(tg__cu_entropy) BOTH(tg__cu_entropy_sums) BOTH(tg__cu_entropy_mean) IS(tg__cu_index_take_i64) IS(tg__cu_index_scatter_i64) ALL(tg__cu_gemm_tiles) ALL(tg__cu_gemm_dots) ALL(tg__cu_gemm_lanes) ALL(tg__cu_gemm_parts)
    IS(tg__cu_scan_f64) IS(tg__cu_scan_i64) IS(tg__cu_scan_pieces_f64) IS(tg__cu_scan_pieces_i64) IS(tg__cu_scan_before_f64) IS(tg__cu_scan_before_i64)
    IS(tg__cu_sort_blocks_i64) IS(tg__cu_sort_merge_i64) IS(tg__cu_sort_write_i64) IS(tg__cu_search_i64)
    BOTH(tg__cu_norm) BOTH(tg__cu_norm_back) BOTH(tg__cu_norm_pieces) BOTH(tg__cu_norm_join) BOTH(tg__cu_norm_apply) BOTH(tg__cu_norm_weights) BOTH(tg__cu_norm_weights_join)
    ALL(tg__cu_pool) BOTH(tg__cu_pool_back) BOTH(tg__cu_pool_claim)
    BOTH(tg__cu_conv_tiles) BOTH(tg__cu_conv_narrow) BOTH(tg__cu_conv_parts)
    BOTH(tg__cu_attend) BOTH(tg__cu_attend_one) BOTH(tg__cu_attend_join) BOTH(tg__cu_attend_delta) BOTH(tg__cu_attend_dq) BOTH(tg__cu_attend_dk) BOTH(tg__cu_attend_dv)
    IS(tg__cu_attend_matrix_f32) IS(tg__cu_attend_matrix_dq_f32) IS(tg__cu_attend_matrix_dk_f32) IS(tg__cu_attend_matrix_dv_f32)
    BOTH(tg__cu_rnn) BOTH(tg__cu_rnn_back)
    BOTH(tg__cu_resample) IS(tg__cu_resample_pick_i64) IS(tg__cu_resample_bytes_i64) BOTH(tg__cu_grid) BOTH(tg__cu_grid_entries) BOTH(tg__cu_grid_back) BOTH(tg__cu_grid_place) BOTH(tg__cu_boxes_look) BOTH(tg__cu_boxes) BOTH(tg__cu_boxes_back)
    BOTH(tg__cu_step) BOTH(tg__cu_steps) BOTH(tg__cu_powers) BOTH(tg__cu_powers_sum)
    { NULL, NULL, 0 }
};

/* ---- contexts: a stack ---- */
static void *contexts[64];
static int depth;
static void context_now(void) {
    int i;
    tg_fake.top = depth ? contexts[depth - 1] : NULL;
    for (i = tg_fake.current = 0; i < depth; i++) tg_fake.current += contexts[i] == (void *)&tg_fake;
}
int cuCtxPushCurrent_v2(void *context) {
    TURN("cuCtxPushCurrent");
    if ((context != &tg_fake && context != tg_fake.host) || !context || depth == 64) return 201;
    contexts[depth++] = context;
    context_now();
    return 0;
}
int cuCtxGetCurrent(void **context) { *context = tg_fake.top; return 0; }
int cuCtxPopCurrent_v2(void **context) { if (!depth) { tg_fake.wrong++; return 201; } *context = contexts[--depth]; context_now(); return 0; }
/* a call that needs the context, which must be current */
#define HERE(name) do { TURN(name); if (tg_fake.top != (void *)&tg_fake) { tg_fake.wrong++; fprintf(stderr, "FAIL %s without its context\n", name); return 201; } } while (0)

/* ---- streams and events ---- */
static void unlock(int on);
typedef struct fake_work { struct fake_work *next; void (*run)(void *arg); } fake_work;
typedef struct point { fake_stream *stream; long long at; } point;
static fake_stream *streams;
static void run_until(fake_stream *s, long long at) {
    while (s->done < at && s->first) {
        fake_work *w = s->first;
        s->first = w->next;
        if (!s->first) s->last = NULL;
        w->run(w + 1);
        s->done++;
        free(w);
    }
}
long long tg_fake_waiting(void) { long long n = 0; fake_stream *s; for (s = streams; s; s = s->next) n += s->made - s->done; return n; }      /* work that is not done */
static void run_all(void) { fake_stream *s; for (s = streams; s; s = s->next) run_until(s, s->made); }
static void put(fake_stream *s, void (*run)(void *arg), const void *arg, size_t size) {
    fake_work *w = (fake_work *)malloc(sizeof *w + size);
    w->next = NULL; w->run = run;
    if (size) memcpy(w + 1, arg, size);
    if (s->last) s->last->next = w; else s->first = w;
    s->last = w;
    s->made++;
    if (!tg_fake.lazy) run_until(s, s->made);
    if (tg_fake.lazy == 2) {
        unsigned left = (tg_fake.dice = tg_fake.dice * 1664525u + 1013904223u) >> 16 & 7u;
        for (s = streams; s; s = s->next) for (; left > 1 && s->done < s->made; left -= 2) run_until(s, s->done + 1);
    }
}
int cuStreamCreate(void **stream, unsigned flags) {
    fake_stream *s;
    HERE("cuStreamCreate");
    if (flags != 1) return 1;
    for (s = streams; s && !s->gone; s = s->next) { }
    if (!s) { s = (fake_stream *)calloc(1, sizeof *s); s->put = put; s->open = unlock; s->next = streams; streams = s; }
    s->gone = 0;
    *stream = s;
    tg_fake.streams++;
    return 0;
}
int cuStreamDestroy_v2(void *stream) { fake_stream *s = (fake_stream *)stream; run_all(); s->gone = 1; tg_fake.streams--; HERE("cuStreamDestroy"); return 0; }
int cuStreamSynchronize(void *stream) {
    fake_stream *s = (fake_stream *)stream;
    int late = tg_fake.late;
    HERE("cuStreamSynchronize");
    run_until(s, s->made);
    tg_fake.waits++; tg_fake.late = 0;
    return late;
}
int cuEventCreate(void **event, unsigned flags) { HERE("cuEventCreate"); if (flags != 2) return 1; *event = calloc(1, sizeof(point)); tg_fake.events++; return 0; }
int cuEventDestroy_v2(void *event) { free(event); tg_fake.events--; HERE("cuEventDestroy"); return 0; }
int cuEventRecord(void *event, void *stream) { point *p = (point *)event; HERE("cuEventRecord"); p->stream = (fake_stream *)stream; p->at = p->stream->made; return 0; }
int cuEventQuery(void *event) { const point *p = (const point *)event; HERE("cuEventQuery"); return p->stream && p->stream->done < p->at ? 600 : 0; }
int cuEventSynchronize(void *event) { const point *p = (const point *)event; HERE("cuEventSynchronize"); tg_fake.event_waits++; if (p->stream) run_until(p->stream, p->at); return 0; }
static void wait_here(void *arg) { const point *p = (const point *)arg; if (p->stream) run_until(p->stream, p->at); }
int cuStreamWaitEvent(void *stream, void *event, unsigned flags) { HERE("cuStreamWaitEvent"); if (flags) return 1; tg_fake.stream_waits++; put((fake_stream *)stream, wait_here, event, sizeof(point)); return 0; }

/* ---- memory ---- */
enum { PAGE = 65536 };
static char *room;
static size_t used;
enum { MOST = 1 << 17 };
typedef struct block { char *p; size_t size; } block;
static block spare[MOST], live[MOST];
static int spares, lives;
static void unlock(int on) { if (tg_fake.guarded && used && mprotect(room, (used + PAGE - 1) / PAGE * PAGE, on ? PROT_READ | PROT_WRITE : PROT_NONE) != 0) abort(); }
int cuMemAlloc_v2(unsigned long long *to, size_t size) {
    const size_t whole = (size + 511) / 512 * 512;
    char *p = NULL;
    int i;
    HERE("cuMemAlloc");
    if (!room) { room = (char *)mmap(NULL, FAKE_ROOM, tg_fake.guarded ? PROT_NONE : PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0); if (room == (char *)MAP_FAILED) { room = NULL; return 2; }
#if defined(FAKE_WATCH)
        room_marks = (mark *)mmap(NULL, FAKE_ROOM * sizeof(mark), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (room_marks == (mark *)MAP_FAILED) abort();
#endif
    }
    if (tg_fake.room && tg_fake.bytes + (long long)whole > tg_fake.room) return 2;
    for (i = 0; i < spares && !p; i++) if (spare[i].size == whole) { p = spare[i].p; spare[i] = spare[--spares]; }
    if (lives == MOST) return 2;
    if (!p) { if (used + whole > FAKE_ROOM) return 2; p = room + used; used += whole; }
    live[lives].p = p; live[lives++].size = whole;
    unlock(1); memset(p, 0xA5, whole < 65536 ? whole : 65536); unlock(0);            /* nothing is zero by itself */
    tg_fake.blocks++; tg_fake.bytes += (long long)whole; tg_fake.allocations++;
    *to = (unsigned long long)(uintptr_t)p;
    return 0;
}
int cuMemFree_v2(unsigned long long at) {
    char *p = (char *)(uintptr_t)at;
    size_t whole = 0;
    int i;
    (void)fails("cuMemFree");                                                /* what cannot be given back is gone all the same */
    if (tg_fake.top != (void *)&tg_fake) tg_fake.wrong++;
    run_all();                                                               /* it waits for all that may use it */
    for (i = 0; i < lives && live[i].p != p; i++) { }
    if (i == lives) { fprintf(stderr, "FAIL cuMemFree of what is no block\n"); return 1; }
    whole = live[i].size; live[i] = live[--lives];
    if (spares < MOST) { spare[spares].p = p; spare[spares++].size = whole; }
    tg_fake.blocks--; tg_fake.bytes -= (long long)whole;
    return 0;
}
static int inside(const void *p, size_t size) { return room && (const char *)p >= room && (const char *)p + size <= room + used; }
static block pins[256];
static int is_pinned(const void *p, size_t size) { int i; for (i = 0; i < tg_fake.pins; i++) if ((const char *)p >= pins[i].p && (const char *)p + size <= pins[i].p + pins[i].size) return 1; return 0; }
int cuMemHostAlloc(void **p, size_t size, unsigned flags) {
    HERE("cuMemHostAlloc");
    if (flags || tg_fake.no_pins || tg_fake.pins == 256) return 2;
    *p = malloc(size);
    pins[tg_fake.pins].p = (char *)*p; pins[tg_fake.pins++].size = size;
    tg_fake.pinned += (long long)size;
    return 0;
}
int cuMemFreeHost(void *p) {
    int i;
    for (i = 0; i < tg_fake.pins && pins[i].p != p; i++) { }
    if (i == tg_fake.pins) { fprintf(stderr, "FAIL cuMemFreeHost of what is not page-locked\n"); return 1; }
    tg_fake.pinned -= (long long)pins[i].size;
    pins[i] = pins[--tg_fake.pins];
    memset(p, 0xEE, 64);
    free(p);
    HERE("cuMemFreeHost");
    return 0;
}
typedef struct copy { void *to; const void *from; size_t size; } copy;
static void copy_here(void *arg) { const copy *c = (const copy *)arg; unlock(1); memmove(c->to, c->from ? c->from : (const void *)(c + 1), c->size); unlock(0); }
int cuMemcpyHtoDAsync_v2(unsigned long long to, const void *from, size_t size, void *stream) {
    copy *c;
    const int pinned = is_pinned(from, size);
    HERE("cuMemcpyHtoDAsync");
    if (!inside((void *)(uintptr_t)to, size)) return 1;
    c = (copy *)malloc(sizeof *c + size);                                    /* what is not page-locked has been read when it returns */
    c->to = (void *)(uintptr_t)to; c->from = pinned ? from : NULL; c->size = size;
    if (!pinned) memcpy(c + 1, from, size);
    put((fake_stream *)stream, copy_here, c, sizeof *c + (pinned ? 0 : size));
    free(c);
    return 0;
}
int cuMemcpyDtoHAsync_v2(void *to, unsigned long long from, size_t size, void *stream) {
    HERE("cuMemcpyDtoHAsync");
    if (!inside((void *)(uintptr_t)from, size)) return 1;
    run_until((fake_stream *)stream, ((fake_stream *)stream)->made);
    unlock(1); memcpy(to, (void *)(uintptr_t)from, size); unlock(0);
    return 0;
}
int cuMemcpyDtoDAsync_v2(unsigned long long to, unsigned long long from, size_t size, void *stream) {
    copy c;
    HERE("cuMemcpyDtoDAsync");
    if (!inside((void *)(uintptr_t)to, size) || !inside((void *)(uintptr_t)from, size)) return 1;
    c.to = (void *)(uintptr_t)to; c.from = (void *)(uintptr_t)from; c.size = size;
    put((fake_stream *)stream, copy_here, &c, sizeof c);
    return 0;
}
int cuPointerGetAttribute(void *value, int what, unsigned long long p) {
    const int ours = inside((void *)(uintptr_t)p, 1);
    HERE("cuPointerGetAttribute");
    if (!ours && !is_pinned((void *)(uintptr_t)p, 1)) return 1;
    *(int *)value = what == 2 ? (ours ? 2 : 1) : what == 9 ? 0 : -1;
    return 0;
}

/* ---- the rest of the driver ---- */
int cuInit(unsigned flags) { (void)flags; TURN("cuInit"); return 0; }
int cuDriverGetVersion(int *version) { TURN("cuDriverGetVersion"); *version = 12000 + tg_fake.version; return 0; }
int cuDeviceGetCount(int *n) { TURN("cuDeviceGetCount"); *n = tg_fake.devices ? tg_fake.devices - 1 : 1; return 0; }
int cuDeviceGet(int *device, int index) { TURN("cuDeviceGet"); *device = index; return 0; }
int cuDeviceGetName(char *name, int size, int device) { (void)device; TURN("cuDeviceGetName"); snprintf(name, (size_t)size, "emulated"); return 0; }
int cuDeviceGetAttribute(int *value, int what, int device) {
    (void)device; TURN("cuDeviceGetAttribute");
    *value = what == 75 ? tg_fake.capability / 10 : what == 76 ? tg_fake.capability % 10 : 4;
    return 0;
}
int cuDevicePrimaryCtxRetain(void **context, int device) { (void)device; TURN("cuDevicePrimaryCtxRetain"); *context = &tg_fake; tg_fake.retained++; return 0; }
int cuDevicePrimaryCtxRelease_v2(int device) {                                 /* the last one takes all with it */
    (void)device;
    if (--tg_fake.retained == 0) {
        tg_fake.left = tg_fake.blocks + tg_fake.modules + tg_fake.streams + tg_fake.pins + tg_fake.events;
        run_all();
        while (lives) { if (spares < MOST) spare[spares++] = live[lives - 1]; lives--; }
        while (tg_fake.pins) free(pins[--tg_fake.pins].p);
        tg_fake.blocks = tg_fake.modules = tg_fake.streams = tg_fake.events = 0; tg_fake.bytes = tg_fake.pinned = 0;
    }
    TURN("cuDevicePrimaryCtxRelease");
    return 0;
}
int cuModuleLoadData(void **module, const void *image) { HERE("cuModuleLoadData"); *module = strdup((const char *)image); tg_fake.modules++; return 0; }
int cuModuleUnload(void *module) { free(module); tg_fake.modules--; HERE("cuModuleUnload"); return 0; }
int cuModuleGetFunction(void **function, void *module, const char *name) {
    const kernel *k = kernels;
    HERE("cuModuleGetFunction");
    if (strncmp(name, "tg__cu_map_", 11) == 0 && !strstr((const char *)module, name)) return 500;       /* a formula stands in its own program's text */
    while (k->name && strcmp(k->name, name) != 0) k++;
    *function = (void *)(uintptr_t)k;
    return k->name ? 0 : 500;
}
#if defined(FAKE_WATCH)
/* The watch itself: it sees what lacks a barrier and nothing else. With FAKE_BLIND=1 in the environment it takes no barrier for one: then each kernel that needs one is a race. */
static void watch_toy(int barrier) {
    TG__CU_SHARED(int, s, TG__CU_WIDTH);
    TG__CU_THREADS(t) s[t] = t;
    if (barrier) { TG__CU_BARRIER }
    TG__CU_THREADS(t) if (s[TG__CU_WIDTH - 1 - t] != TG__CU_WIDTH - 1 - t) abort();
}
static void watch_check(void) {
    int clean;
    watch.kernel = NULL; watch.on = 1; watch.block = ++watch.now; watch.areas = 0;
    watch_toy(1); clean = tg_fake.races == 0;
    watch.areas = 0; watch.now++;
    watch_toy(0);
    watch.on = 0; watch.areas = 0;
    if (!clean || !tg_fake.races) fprintf(stderr, "FAIL a race in no kernel: the watch sees %s\n", clean ? "nothing" : "what is not");
    tg_fake.races = 0;
    watch.blind = getenv("FAKE_BLIND") != NULL;
}
#endif
typedef struct launch { const kernel *k; unsigned blocks; double align; } launch;
static void launch_here(void *arg) {
    const launch *l = (const launch *)arg;
    unsigned i;
    unlock(1);
#if defined(FAKE_WATCH)
    if (!watch.kernel) watch_check();
    watch.kernel = l->k->name; watch.launch = ++watch.now;
#endif
    for (i = l->blocks; i-- > 0;) {                                            /* in no particular order */
#if defined(FAKE_WATCH)
        watch.block = ++watch.now; watch.areas = 0; watch.who = EVERY; watch.on = 1;
#endif
        l->k->run(l + 1, (int64_t)i, (int64_t)l->blocks);
#if defined(FAKE_WATCH)
        watch.on = 0;
#endif
    }
    unlock(0);
}
int cuLaunchKernel(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, void *stream, void **arguments, void **extra) {
    const kernel *k = (const kernel *)function;
    launch *l;
    (void)extra;
    HERE("cuLaunchKernel");
    if (gx < 1 || gy != 1 || gz != 1 || bx != TG__CU_WIDTH || by != 1 || bz != 1 || shared || tg_fake.current != 1) return 1;
    tg_fake.launches++;
    l = (launch *)malloc(sizeof *l + k->size);
    l->k = k; l->blocks = gx;
    memcpy(l + 1, arguments[0], k->size);
    put((fake_stream *)stream, launch_here, l, sizeof *l + k->size);
    free(l);
    return 0;
}
int cuGetErrorName(int code, const char **text) { *text = code == 2 ? "CUDA_ERROR_OUT_OF_MEMORY" : code == 700 ? "CUDA_ERROR_ILLEGAL_ADDRESS" : "CUDA_ERROR_OF_THE_TEST"; return 0; }
int cuGetErrorString(int code, const char **text) { *text = code == 2 ? "out of memory" : code == 700 ? "an illegal memory access was encountered" : "told to fail"; return 0; }
#endif

#if defined(FAKE_BLAS) || defined(FAKE_DNN)
/* ---- numbers, by cuBLASLt's names of their types ---- */
static double half_to(unsigned short h, int type) {
    union { unsigned u; float f; } v;
    if (type == 14) { v.u = (unsigned)h << 16; return v.f; }
    v.u = (unsigned)(h & 0x7FFF) << 13;                                        /* the exponent is 112 too small */
    v.f *= 5192296858534827628530496329220096.0f;
    if ((h & 0x7C00) == 0x7C00) v.u |= 0x7F800000;
    return h & 0x8000 ? -(double)v.f : v.f;
}
static unsigned short half_from(float f, int type) {
    union { unsigned u; float f; } v;
    unsigned sign, low, half;
    v.f = f;
    sign = v.u >> 16 & 0x8000;
    if ((v.u & 0x7FFFFFFF) > 0x7F800000) return (unsigned short)(sign | (type == 14 ? 0x7FC0 : 0x7E00));
    if (type == 14) return (unsigned short)((v.u + 0x7FFF + (v.u >> 16 & 1)) >> 16);
    v.u &= 0x7FFFFFFF;
    if (v.u >= 0x477FF000) return (unsigned short)(sign | 0x7C00);
    if (v.u < 0x38800000) { v.f = v.f * 16777216.0f + 12582912.0f; return (unsigned short)(sign | (v.u - 0x4B400000)); }      /* rounded to a whole number of the least half */
    low = v.u & 0x1FFF; half = (v.u - 0x38000000) >> 13;
    return (unsigned short)(sign | (half + (low > 0x1000 || (low == 0x1000 && (half & 1)))));
}
static double element(const void *p, long long i, int type) { return type == 0 ? ((const float *)p)[i] : type == 1 ? ((const double *)p)[i] : half_to(((const unsigned short *)p)[i], type); }
static float ten_bits(float f) { union { unsigned u; float f; } v; v.f = f; v.u = (v.u + 0xFFF + (v.u >> 13 & 1)) & ~0x1FFFu; return v.f; }
static void element_put(void *p, long long i, int type, double v) { if (type == 0) ((float *)p)[i] = (float)v; else if (type == 1) ((double *)p)[i] = v; else ((unsigned short *)p)[i] = half_from((float)v, type); }
static int made(void *p, int magic) { tg_fake.layouts++; *(int *)p = magic; return 0; }
static int gone(void *p) { tg_fake.layouts--; memset(p, 0, sizeof(int)); free(p); return 0; }
#endif

#if defined(FAKE_BLAS)
/* ---- cuBLASLt: products on the host, of what the descriptors tell; what they do not tell right is refused as the real one does ---- */
typedef struct blas_product { int magic, compute, scale, ta, tb; unsigned epilogue; const void *bias; } blas_product;
typedef struct blas_layout { int magic, type; unsigned long long rows, columns; long long step, batch_step; int batch; } blas_layout;
typedef struct blas_wish { int magic; unsigned long long work; unsigned sums, aligned[4]; } blas_wish;
typedef struct blas_way { unsigned long long algorithm[8]; size_t work; int state; float waves; int reserved[4]; } blas_way;
enum { HANDLE = 0x4C54, PRODUCT, LAYOUT, WISH };
int cublasLtCreate(void **handle) { TURN("cublasLtCreate"); *handle = calloc(1, 64); *(int *)*handle = HANDLE; tg_fake.handles++; return 0; }
int cublasLtDestroy(void *handle) { free(handle); tg_fake.handles--; TURN("cublasLtDestroy"); return 0; }
int cublasLtMatmulDescCreate(void **to, int compute, int scale) {
    blas_product *p;
    TURN("cublasLtMatmulDescCreate");
    if (!((compute == 68 || compute == 77) && scale == 0) && !(compute == 70 && scale == 1)) return 7;
    p = (blas_product *)calloc(1, sizeof *p);
    p->compute = compute; p->scale = scale; p->epilogue = 1;
    *to = p;
    return made(p, PRODUCT);
}
int cublasLtMatmulDescDestroy(void *p) { gone(p); TURN("cublasLtMatmulDescDestroy"); return 0; }
int cublasLtMatmulDescSetAttribute(void *to, int what, const void *value, size_t size) {
    blas_product *p = (blas_product *)to;
    TURN("cublasLtMatmulDescSetAttribute");
    if (p->magic != PRODUCT || size != (what == 8 ? sizeof(void *) : 4u)) return 7;
    if (what == 3) p->ta = *(const int *)value; else if (what == 4) p->tb = *(const int *)value; else if (what == 7) p->epilogue = *(const unsigned *)value;
    else if (what == 8) p->bias = *(const void *const *)value; else return 7;
    return 0;
}
int cublasLtMatrixLayoutCreate(void **to, int type, unsigned long long rows, unsigned long long columns, long long step) {
    blas_layout *l;
    TURN("cublasLtMatrixLayoutCreate");
    if (type != 0 && type != 1 && type != 2 && type != 14) return 7;
    l = (blas_layout *)calloc(1, sizeof *l);
    l->type = type; l->rows = rows; l->columns = columns; l->step = step; l->batch = 1;
    *to = l;
    return made(l, LAYOUT);
}
int cublasLtMatrixLayoutDestroy(void *l) { gone(l); TURN("cublasLtMatrixLayoutDestroy"); return 0; }
int cublasLtMatrixLayoutSetAttribute(void *to, int what, const void *value, size_t size) {
    blas_layout *l = (blas_layout *)to;
    TURN("cublasLtMatrixLayoutSetAttribute");
    if (l->magic != LAYOUT || (what != 5 && what != 6) || size != (what == 5 ? 4u : 8u)) return 7;
    if (what == 5) l->batch = *(const int *)value; else l->batch_step = *(const long long *)value;
    return 0;
}
int cublasLtMatmulPreferenceCreate(void **to) {
    blas_wish *w;
    int i;
    TURN("cublasLtMatmulPreferenceCreate");
    w = (blas_wish *)calloc(1, sizeof *w);
    w->sums = 7;
    for (i = 0; i < 4; i++) w->aligned[i] = 256;
    *to = w;
    return made(w, WISH);
}
int cublasLtMatmulPreferenceDestroy(void *w) { gone(w); TURN("cublasLtMatmulPreferenceDestroy"); return 0; }
int cublasLtMatmulPreferenceSetAttribute(void *to, int what, const void *value, size_t size) {
    blas_wish *w = (blas_wish *)to;
    TURN("cublasLtMatmulPreferenceSetAttribute");
    if (w->magic != WISH || size != (what == 1 ? 8u : 4u)) return 7;
    if (what == 1) w->work = *(const unsigned long long *)value; else if (what == 3) w->sums = *(const unsigned *)value; else if (what >= 5 && what <= 8) w->aligned[what - 5] = *(const unsigned *)value; else return 7;
    return 0;
}
static int blas_fits(const blas_product *p, const blas_layout *a, const blas_layout *b, const blas_layout *c, const blas_layout *d) {
    const unsigned long long m = p->ta ? a->columns : a->rows, k = p->ta ? a->rows : a->columns, kb = p->tb ? b->columns : b->rows, n = p->tb ? b->rows : b->columns;
    if (p->magic != PRODUCT || a->magic != LAYOUT || b->magic != LAYOUT || c->magic != LAYOUT || d->magic != LAYOUT || (unsigned)p->ta > 1 || (unsigned)p->tb > 1) return 0;
    if (k != kb || d->rows != m || d->columns != n || c->rows != m || c->columns != n || !m || !n || !k) return 0;
    if (a->type != d->type || b->type != d->type || c->type != d->type || (d->type == 1) != (p->compute == 70) || (p->compute == 77 && d->type != 0)) return 0;
    if (a->step < (long long)a->rows || b->step < (long long)b->rows || c->step < (long long)c->rows || d->step < (long long)d->rows) return 0;
    if (a->batch < 1 || a->batch != b->batch || a->batch != c->batch || a->batch != d->batch) return 0;
    return (p->epilogue == 1 || p->epilogue == 4) && (p->epilogue != 4 || p->bias);
}
static unsigned long long blas_config(const blas_product *p, const blas_layout *const *l) {      /* what an answer is good for */
    unsigned long long h = (unsigned)(p->compute * 8 + p->ta * 4 + p->tb * 2) + p->epilogue * 1000u;
    int i;
    for (i = 0; i < 4; i++) h = ((((h * 31 + l[i]->rows) * 31 + l[i]->columns) * 31 + (unsigned long long)l[i]->step) * 31 + (unsigned)l[i]->batch) * 31 + (unsigned long long)l[i]->batch_step;
    return h;
}
int cublasLtMatmulAlgoGetHeuristic(void *handle, void *product, void *a, void *b, void *c, void *d, void *wish, int most, blas_way *way, int *n) {
    const blas_product *p = (const blas_product *)product;
    const blas_layout *const l[4] = { (const blas_layout *)a, (const blas_layout *)b, (const blas_layout *)c, (const blas_layout *)d };
    const blas_wish *w = (const blas_wish *)wish;
    int i;
    TURN("cublasLtMatmulAlgoGetHeuristic");
    tg_fake.asked++;
    *n = 0;
    if (*(int *)handle != HANDLE || w->magic != WISH || most < 1 || !blas_fits(p, l[0], l[1], l[2], l[3])) return 7;
    if (tg_fake.refuse == 1 || (tg_fake.refuse == 2 && p->epilogue == 4)) return 15;
    if ((l[3]->type == 2 || l[3]->type == 14) && w->sums != 2) return 15;      /* sums in halves are not what was asked for */
    memset(way, 0, sizeof *way);
    way->algorithm[0] = blas_config(p, l);
    for (i = 0; i < 4; i++) way->algorithm[1 + i] = w->aligned[i];
    way->algorithm[5] = p->bias && (size_t)p->bias % 16 ? 1 : 16;
    way->work = w->work < 5000 ? (size_t)w->work : 5000;
    *n = 1;
    return 0;
}
typedef struct blas_work { blas_product p; blas_layout a, b, d; const void *x, *y; void *to, *work; size_t work_size; double beta; void (*open)(int on); } blas_work;
static void multiply_here(void *arg) {
    const blas_work *w = (const blas_work *)arg;
    const long long k = (long long)(w->p.ta ? w->a.rows : w->a.columns);
    const int type = w->d.type;
    long long z, i, j, e;
    w->open(1);
    if (w->work_size) memset(w->work, 0x5A, w->work_size);
    for (z = 0; z < w->d.batch; z++) for (j = 0; j < (long long)w->d.columns; j++) for (i = 0; i < (long long)w->d.rows; i++) {
        const long long at = z * w->d.batch_step + i + j * w->d.step;
        double wide = 0;
        float narrow = 0;
        for (e = 0; e < k; e++) {
            double u = element(w->x, z * w->a.batch_step + (w->p.ta ? e + i * w->a.step : i + e * w->a.step), type), v = element(w->y, z * w->b.batch_step + (w->p.tb ? j + e * w->b.step : e + j * w->b.step), type);
            if (w->p.compute == 77) { u = ten_bits((float)u); v = ten_bits((float)v); }
            if (type == 1) wide += u * v; else narrow = (float)(narrow + u * v);
        }
        if (w->beta != 0) { if (type == 1) wide += w->beta * element(w->to, at, type); else narrow += (float)(w->beta * element(w->to, at, type)); }
        if (w->p.epilogue == 4) { if (type == 1) wide += element(w->p.bias, i, type); else narrow += (float)element(w->p.bias, i, type); }
        element_put(w->to, at, type, type == 1 ? wide : narrow);
    }
    w->open(0);
}
int cublasLtMatmul(void *handle, void *product, const void *alpha, const void *x, void *a, const void *y, void *b, const void *beta, const void *from, void *c, void *to, void *d,
    const void *algorithm, void *work, size_t work_size, void *stream) {
    const blas_product *p = (const blas_product *)product;
    const blas_layout *const l[4] = { (const blas_layout *)a, (const blas_layout *)b, (const blas_layout *)c, (const blas_layout *)d };
    const unsigned long long *way = (const unsigned long long *)algorithm;
    const void *const all[4] = { x, y, from, to };
    fake_stream *s = (fake_stream *)stream;
    blas_work w;
    int i;
    TURN("cublasLtMatmul");
    if (*(int *)handle != HANDLE || !blas_fits(p, l[0], l[1], l[2], l[3]) || way[0] != blas_config(p, l) || work_size < 5000 || (size_t)work % 256 || from != to) return 7;
    for (i = 0; i < 4; i++) if ((size_t)all[i] % way[1 + i]) return 7;      /* the alignment that was promised */
    if (p->epilogue == 4 && (size_t)p->bias % way[5]) return 7;
    if (p->scale == 1 ? *(const double *)alpha != 1 : *(const float *)alpha != 1) return 7;
    w.p = *p; w.a = *l[0]; w.b = *l[1]; w.d = *l[3]; w.x = x; w.y = y; w.to = to; w.work = work; w.work_size = work_size; w.open = s->open;
    w.beta = p->scale == 1 ? *(const double *)beta : *(const float *)beta;
    s->put(s, multiply_here, &w, sizeof w);
    tg_fake.products++;
    tg_fake.tf32 += p->compute == 77;
    return 0;
}
#endif

#if defined(FAKE_DNN)
/* ---- cuDNN: convolutions on the host, of what the descriptors tell; what they do not tell right is refused as the real one does, or more strictly ---- */
typedef struct dnn_handle { int magic; fake_stream *stream; } dnn_handle;
typedef struct dnn_tensor { int magic, type, channels, dims, size[5], step[5]; } dnn_tensor;      /* or a filter */
typedef struct dnn_conv { int magic, dims, padding[3], stride[3], dilation[3], compute, groups, maths; } dnn_conv;
typedef struct dnn_way { int algorithm, state; float time; size_t work; int deterministic, maths, reserved[3]; } dnn_way;
enum { DNN_HANDLE = 0x444E, TENSOR, FILTER, CONV, BAD = 2000, NOT_SUPPORTED = 3000, ROOM = 5000, GOOD = 1, WRONG = 6, LARGE = 5, LOOSE = 0, NONE = 3 };      /* ways: the one to take; one that does not work, one that wants much memory, one of other bits each time, one that only seems to work */
const char *cudnnGetErrorString(int code) {
    return code == 0 ? "CUDNN_STATUS_SUCCESS" : code == NOT_SUPPORTED || code == 9 ? "CUDNN_STATUS_NOT_SUPPORTED" : code == 5000 || code == 8 ? "CUDNN_STATUS_EXECUTION_FAILED" : code == 4000 || code == 4 ? "CUDNN_STATUS_INTERNAL_ERROR" : "CUDNN_STATUS_BAD_PARAM";
}
int cudnnCreate(void **to) { dnn_handle *h; TURN("cudnnCreate"); h = (dnn_handle *)calloc(1, sizeof *h); h->magic = DNN_HANDLE; *to = h; tg_fake.handles++; return 0; }
int cudnnDestroy(void *handle) { free(handle); tg_fake.handles--; TURN("cudnnDestroy"); return 0; }
int cudnnSetStream(void *handle, void *stream) { TURN("cudnnSetStream"); if (((dnn_handle *)handle)->magic != DNN_HANDLE) return BAD; ((dnn_handle *)handle)->stream = (fake_stream *)stream; return 0; }
int cudnnCreateTensorDescriptor(void **to) { TURN("cudnnCreateTensorDescriptor"); *to = calloc(1, sizeof(dnn_tensor)); return made(*to, TENSOR); }
int cudnnDestroyTensorDescriptor(void *p) { if (*(int *)p != TENSOR) tg_fake.wrong++; gone(p); TURN("cudnnDestroyTensorDescriptor"); return 0; }
int cudnnCreateFilterDescriptor(void **to) { TURN("cudnnCreateFilterDescriptor"); *to = calloc(1, sizeof(dnn_tensor)); return made(*to, FILTER); }
int cudnnDestroyFilterDescriptor(void *p) { if (*(int *)p != FILTER) tg_fake.wrong++; gone(p); TURN("cudnnDestroyFilterDescriptor"); return 0; }
int cudnnCreateConvolutionDescriptor(void **to) { TURN("cudnnCreateConvolutionDescriptor"); *to = calloc(1, sizeof(dnn_conv)); ((dnn_conv *)*to)->groups = 1; return made(*to, CONV); }
int cudnnDestroyConvolutionDescriptor(void *p) { if (*(int *)p != CONV) tg_fake.wrong++; gone(p); TURN("cudnnDestroyConvolutionDescriptor"); return 0; }
static int dnn_sizes(dnn_tensor *t, int type, int dims, const int *size) {
    long long all = 1;
    int i;
    if (dims < 4 || dims > 5 || !(type == 0 || type == 1 || type == 2 || type == 9)) return NOT_SUPPORTED;
    for (i = 0; i < dims; i++) { if (size[i] < 1) return BAD; t->size[i] = size[i]; all *= size[i]; if (all >= 1LL << 31) return NOT_SUPPORTED; }
    t->type = type == 9 ? 14 : type; t->dims = dims;
    return 0;
}
int cudnnSetTensorNdDescriptor(void *to, int type, int dims, const int *size, const int *step) {
    dnn_tensor *t = (dnn_tensor *)to;
    int code;
    TURN("cudnnSetTensorNdDescriptor");
    if (t->magic != TENSOR) return BAD;
    code = dnn_sizes(t, type, dims, size);
    if (!code) memcpy(t->step, step, sizeof(int) * (size_t)dims);
    return code;
}
int cudnnSetFilterNdDescriptor(void *to, int type, int format, int dims, const int *size) {
    dnn_tensor *t = (dnn_tensor *)to;
    int code, i, step = 1;
    TURN("cudnnSetFilterNdDescriptor");
    if (t->magic != FILTER || (format != 0 && format != 1)) return BAD;
    code = dnn_sizes(t, type, dims, size);
    if (code) return code;
    t->channels = format;
    if (format) { t->step[1] = 1; step = size[1]; }
    for (i = dims - 1; i >= 0; i--) if (i != 1 || !format) { t->step[i] = step; step *= size[i]; }
    return 0;
}
int cudnnSetConvolutionNdDescriptor(void *to, int dims, const int *padding, const int *stride, const int *dilation, int mode, int compute) {
    dnn_conv *c = (dnn_conv *)to;
    int i;
    TURN("cudnnSetConvolutionNdDescriptor");
    if (c->magic != CONV || mode != 1 || (compute != 0 && compute != 1) || dims < 2 || dims > 3) return BAD;
    for (i = 0; i < dims; i++) { if (padding[i] < 0 || stride[i] < 1 || dilation[i] < 1) return BAD; c->padding[i] = padding[i]; c->stride[i] = stride[i]; c->dilation[i] = dilation[i]; }
    c->dims = dims; c->compute = compute;
    return 0;
}
int cudnnSetConvolutionGroupCount(void *to, int groups) { TURN("cudnnSetConvolutionGroupCount"); if (((dnn_conv *)to)->magic != CONV || groups < 1) return BAD; ((dnn_conv *)to)->groups = groups; return 0; }
int cudnnSetConvolutionMathType(void *to, int maths) { TURN("cudnnSetConvolutionMathType"); if (((dnn_conv *)to)->magic != CONV || maths < 0 || maths > 3) return BAD; ((dnn_conv *)to)->maths = maths; return 0; }

/* Which of result, first and second are x, the filter and y, by kind. */
static const int dnn_roles[3][3] = { { 1, 2, 0 }, { 0, 1, 2 }, { 1, 0, 2 } };
static int dnn_orderly(const dnn_tensor *t) {                                  /* rows, or channels within; no element twice */
    int channels, i;
    for (channels = 0; channels < 2; channels++) {
        long long next = 1;
        for (i = 0; i < t->dims; i++) {
            const int d = i == t->dims - 1 ? 0 : !channels ? t->dims - 1 - i : i == 0 ? 1 : t->dims - i;
            if (t->step[d] < next || (i == 0 && t->step[d] != 1)) break;
            next = (long long)t->step[d] * t->size[d];
        }
        if (i == t->dims) return 1 + channels;
    }
    return 0;
}
static int dnn_fits(int kind, const dnn_tensor *const *t, const dnn_conv *c) {
    const dnn_tensor *x = t[dnn_roles[kind][0]], *f = t[dnn_roles[kind][1]], *y = t[dnn_roles[kind][2]];
    int i;
    if (x->magic != TENSOR || f->magic != FILTER || y->magic != TENSOR || c->magic != CONV || x->dims != c->dims + 2 || f->dims != x->dims || y->dims != x->dims) return BAD;
    if (x->type != f->type || x->type != y->type || (x->type == 1) != (c->compute == 1)) return BAD;
    if (x->size[0] != y->size[0] || y->size[1] != f->size[0] || x->size[1] != f->size[1] * c->groups || f->size[0] % c->groups) return BAD;
    for (i = 0; i < c->dims; i++) {
        const int reach = x->size[2 + i] + 2 * c->padding[i] - (f->size[2 + i] - 1) * c->dilation[i] - 1;
        if (reach < 0 || y->size[2 + i] != reach / c->stride[i] + 1) return BAD;
    }
    return dnn_orderly(y) && dnn_orderly(x) == 1 + f->channels ? 0 : NOT_SUPPORTED;
}
static int dnn_ask(int kind, const char *name, void *handle, void *first, void *second, void *conv, void *result, int most, int *n, dnn_way *ways) {
    const dnn_tensor *const t[3] = { (const dnn_tensor *)result, (const dnn_tensor *)first, (const dnn_tensor *)second };
    const dnn_conv *c = (const dnn_conv *)conv;
    int code;
    TURN(name);
    tg_fake.asked++;
    if (((dnn_handle *)handle)->magic != DNN_HANDLE || most < 5) return BAD;
    code = dnn_fits(kind, t, c);
    if (code || tg_fake.refuse == 1) return code ? code : NOT_SUPPORTED;
    memset(ways, 0, 5 * sizeof *ways);
    ways[0].algorithm = LOOSE;
    ways[1].algorithm = WRONG; ways[1].deterministic = 1; ways[1].state = NOT_SUPPORTED;
    ways[2].algorithm = LARGE; ways[2].deterministic = 1; ways[2].work = (size_t)1 << 30;
    ways[3].algorithm = NONE; ways[3].deterministic = 1;
    ways[4].algorithm = GOOD; ways[4].deterministic = 1; ways[4].work = ROOM; ways[4].maths = c->maths == 1;      /* f32 in TF32, if nobody looks */
    *n = tg_fake.refuse == 2 ? 3 : 5;
    return 0;
}
static int dnn_room(int kind, const char *name, void *handle, void *first, void *second, void *conv, void *result, int algorithm, size_t *size) {
    const dnn_tensor *const t[3] = { (const dnn_tensor *)result, (const dnn_tensor *)first, (const dnn_tensor *)second };
    const int code = dnn_fits(kind, t, (const dnn_conv *)conv);
    TURN(name);
    *size = ROOM;
    return ((dnn_handle *)handle)->magic != DNN_HANDLE ? BAD : code ? code : algorithm == GOOD || algorithm == LOOSE ? 0 : NOT_SUPPORTED;
}
typedef struct dnn_work { int kind; dnn_conv c; dnn_tensor t[3]; const void *from[2]; void *to, *work; size_t work_size; void (*open)(int on); } dnn_work;
static long long dnn_at(const dnn_tensor *t, int image, int channel, const int *place) {      /* place: of as many dimensions as there are */
    long long at = (long long)image * t->step[0] + (long long)channel * t->step[1];
    int i;
    for (i = 2; i < t->dims; i++) at += (long long)place[i - 2] * t->step[i];
    return at;
}
/* All that meets, one kind as the other: y's position q and the filter's a meet x's p. */
static void convolve_here(void *arg) {
    const dnn_work *w = (const dnn_work *)arg;
    const dnn_tensor *x = &w->t[dnn_roles[w->kind][0]], *f = &w->t[dnn_roles[w->kind][1]], *y = &w->t[dnn_roles[w->kind][2]], *r = &w->t[0];
    const int channels = f->size[1], filters = f->size[0] / w->c.groups, type = x->type, tf32 = type == 0 && w->c.maths != 3;
    long long size = 1, qs = 1, as = 1, q, a;
    double *sums;
    int i, n, o, c, d;
    for (i = 0; i < r->dims; i++) size += (long long)(r->size[i] - 1) * r->step[i];
    for (i = 2; i < y->dims; i++) { qs *= y->size[i]; as *= f->size[i]; }
    sums = (double *)calloc((size_t)size, sizeof *sums);
    w->open(1);
    if (w->work_size) memset(w->work, 0x5A, w->work_size);
    for (n = 0; n < x->size[0]; n++) for (o = 0; o < f->size[0]; o++) for (c = 0; c < channels; c++) for (q = 0; q < qs; q++) for (a = 0; a < as; a++) {
        int to[3], tap[3], from[3], inside = 1;
        long long at[3], q_left = q, a_left = a;
        double u[3] = { 0, 0, 0 }, sum;
        for (d = w->c.dims - 1; d >= 0; d--) {
            to[d] = (int)(q_left % y->size[2 + d]); q_left /= y->size[2 + d]; tap[d] = (int)(a_left % f->size[2 + d]); a_left /= f->size[2 + d];
            from[d] = to[d] * w->c.stride[d] + tap[d] * w->c.dilation[d] - w->c.padding[d];
            inside = inside && from[d] >= 0 && from[d] < x->size[2 + d];
        }
        if (!inside) continue;
        at[dnn_roles[w->kind][0]] = dnn_at(x, n, o / filters * channels + c, from); at[dnn_roles[w->kind][1]] = dnn_at(f, o, c, tap); at[dnn_roles[w->kind][2]] = dnn_at(y, n, o, to);
        for (i = 1; i < 3; i++) { u[i] = element(w->from[i - 1], at[i], type); if (tf32) u[i] = ten_bits((float)u[i]); }
        sum = sums[at[0]] + u[1] * u[2];
        sums[at[0]] = type == 1 ? sum : (double)(float)sum;
    }
    for (n = 0; n < r->size[0]; n++) for (c = 0; c < r->size[1]; c++) {
        int place[3] = { 0, 0, 0 };
        for (d = 0; d >= 0;) {
            const long long at = dnn_at(r, n, c, place);
            element_put(w->to, at, type, sums[at]);
            for (d = r->dims - 3; d >= 0 && ++place[d] == r->size[2 + d]; d--) place[d] = 0;
        }
    }
    w->open(0);
    free(sums);
}
static int dnn_convolve(int kind, const char *name, void *handle, const void *alpha, void *first_layout, const void *first, void *second_layout, const void *second, void *conv, int algorithm, void *work, size_t work_size,
    const void *beta, void *result_layout, void *result) {
    const dnn_tensor *const t[3] = { (const dnn_tensor *)result_layout, (const dnn_tensor *)first_layout, (const dnn_tensor *)second_layout };
    const dnn_handle *h = (const dnn_handle *)handle;
    dnn_work w;
    int i, code = dnn_fits(kind, t, (const dnn_conv *)conv);
    TURN(name);
    if (code) return code;
    if (algorithm == LOOSE) { tg_fake.wrong++; fprintf(stderr, "FAIL a way with other bits each time\n"); return BAD; }
    if (h->magic != DNN_HANDLE || !h->stream || algorithm != GOOD || work_size < ROOM || (size_t)work % 256 || (size_t)first % 16 || (size_t)second % 16 || (size_t)result % 16) return BAD;
    w.kind = kind; w.c = *(const dnn_conv *)conv;
    if (t[0]->type == 1 ? *(const double *)alpha != 1 || *(const double *)beta != 0 : *(const float *)alpha != 1 || *(const float *)beta != 0) return BAD;
    if ((t[0]->type == 2 || t[0]->type == 14) && w.c.maths != 1) return BAD;      /* not as it was answered */
    for (i = 0; i < 3; i++) w.t[i] = *t[i];
    w.from[0] = first; w.from[1] = second; w.to = result; w.work = work; w.work_size = work_size; w.open = h->stream->open;
    h->stream->put(h->stream, convolve_here, &w, sizeof w);
    tg_fake.products++; tg_fake.kinds[kind]++;
    tg_fake.deep += t[0]->dims == 5; tg_fake.channels += dnn_orderly(t[dnn_roles[kind][0]]) == 2;
    tg_fake.tf32 += t[0]->type == 0 && w.c.maths != 3;
    return 0;
}
#define KIND(kind, name) \
    int cudnnGetConvolution##name##Algorithm_v7(void *handle, void *first, void *second, void *conv, void *result, int most, int *n, dnn_way *ways) { return dnn_ask(kind, "cudnnGetConvolution" #name "Algorithm_v7", handle, first, second, conv, result, most, n, ways); } \
    int cudnnGetConvolution##name##WorkspaceSize(void *handle, void *first, void *second, void *conv, void *result, int algorithm, size_t *size) { return dnn_room(kind, "cudnnGetConvolution" #name "WorkspaceSize", handle, first, second, conv, result, algorithm, size); } \
    int cudnnConvolution##name(void *handle, const void *alpha, void *first_layout, const void *first, void *second_layout, const void *second, void *conv, int algorithm, void *work, size_t work_size, const void *beta, void *result_layout, void *result) { \
        return dnn_convolve(kind, "cudnnConvolution" #name, handle, alpha, first_layout, first, second_layout, second, conv, algorithm, work, work_size, beta, result_layout, result); }
KIND(0, Forward)
KIND(1, BackwardData)
KIND(2, BackwardFilter)
#endif
