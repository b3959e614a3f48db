/* What a test tells the fake driver, and the fake NVRTC, and what they count: each library has one, by the name tg_fake. */
typedef struct fake_state {
    int capability;                      /* of the GPU, 80 or another                                            */
    int devices;                         /* 0: one; else 1 + how many there are                                  */
    int guarded;                         /* device memory may be touched by kernels and copies alone; set before the first use */
    int fail_at, code;                   /* the call of that number fails with that code                         */
    int calls;                           /* how many there were                                                  */
    int late;                            /* what the next wait returns                                           */
    long long room;                      /* 0, or the most bytes that are given out                              */
    long long bytes;                     /* that are given out                                                   */
    int blocks, allocations, retained, current, streams, modules, programs, launches, waits;
    int left;                            /* blocks, modules and streams that were there when the last one let go of the context */
    char failed[64];                     /* the name of the call that failed                                     */
} fake_state;
#define FAKE_ROOM ((size_t)1 << 30)
