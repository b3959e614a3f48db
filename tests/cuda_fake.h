/* What a test tells the fake driver, NVRTC, cuBLASLt and cuDNN, and what they count: each library has one, by the name tg_fake. */
#include <stddef.h>
typedef struct fake_state {
    int capability;                      /* of the GPU, 80 or another                                            */
    int devices;                         /* 0: one; else 1 + how many there are                                  */
    int guarded;                         /* device memory may be touched by kernels and copies alone; set before the first use */
    int lazy;                            /* 1: what is put on a stream is done when somebody waits for it, no earlier; 2: some of it, of any stream, at any time */
    unsigned dice;                       /* for that                                                             */
    int fail_at, code;                   /* the call of that number fails with that code                         */
    int calls;                           /* how many there were                                                  */
    int late;                            /* what the next wait returns                                           */
    int no_pins;                         /* there is no page-locked memory                                       */
    int version;                         /* added to the driver's version, to NVRTC's minor one                  */
    void *host;                          /* a context of the host's, which it may push                           */
    void *top;                           /* the current context                                                  */
    long long room;                      /* 0, or the most bytes that are given out                              */
    long long bytes, pinned;             /* that are given out; page-locked ones                                 */
    int blocks, allocations, retained, current, streams, modules, programs, launches, waits, pins, events, event_waits, stream_waits, compiled;
    int left;                            /* blocks, modules, streams, ... that were there when the last one let go of the context */
    int wrong;                           /* calls without the context                                            */
    char failed[64];                     /* the name of the call that failed                                     */
    int products, asked, handles, layouts;      /* of cuBLASLt, cuDNN: products or convolutions, questions for the best way, what was created and not destroyed */
    int refuse;                          /* it knows no way for: 1 anything, 2 a bias (cuDNN: the same bits each time) */
    int tf32;                            /* products, convolutions that were asked for in TF32                   */
    int races;                           /* of threads, that the watch has seen: -DFAKE_WATCH                    */
    int kinds[3], deep, channels;        /* convolutions: results, gradients by data, by weight; with a depth; with channels within */
} fake_state;
#define FAKE_ROOM ((size_t)1 << 30)

/* A CUstream begins with this: another library puts work on it. `arg` is copied. */
typedef struct fake_stream {
    void (*put)(struct fake_stream *stream, void (*run)(void *arg), const void *arg, size_t size);
    void (*open)(int on);                /* around touches of device memory, in `run`                            */
    struct fake_work *first, *last;
    long long made, done;
    int gone;
    struct fake_stream *next;
} fake_stream;
