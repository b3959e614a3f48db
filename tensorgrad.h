/* tensorgrad.h - tensors, automatic differentiation and SIMD kernels in one C header; the companion
   tensorgrad_cuda.h will add CUDA.

   In exactly one source file:

       #define TENSORGRAD_IMPLEMENTATION
       #include "tensorgrad.h"

   and in all others only the #include. Compile with `cc -O2 app.c`; no library, no flag, no build system. C99
   and up, C++11 and up. The implementation takes a compiler 7 to 20 seconds: give it a file of its own that is
   compiled once, or see TENSORGRAD_TEACH and TENSORGRAD_NATIVE below. nvcc gets the plain kernels only: give that
   file to the host's compiler where speed counts.

   A whole program: a line is fitted to noisy points. Lines with | are code, lines with > are what it prints;
   the tests compile and run all of them.

   |  #define TENSORGRAD_IMPLEMENTATION
   |  #include "tensorgrad.h"
   |  #include <stdio.h>
   |
   |  int main(void) {
   |      tg_ctx *tg = tg_open(NULL);                             // everything lives in a context
   |      tg_tensor *x = tg_randn(tg, TG_SHAPE(256));
   |      tg_tensor *noise = tg_mul_scalar(tg_randn(tg, TG_SHAPE(256)), 0.1);
   |      tg_tensor *y = tg_add(tg_add_scalar(tg_mul_scalar(x, 3), 2), noise);      // y = 3 x + 2 + noise
   |      tg_tensor *w = tg_require_grad(tg_zeros(tg, TG_SCALAR), true);
   |      tg_tensor *b = tg_require_grad(tg_zeros(tg, TG_SCALAR), true);
   |      for (int step = 0; step < 200; step++) {
   |          tg_mark m = tg_begin(tg);                           // a scope: what is made below goes away at tg_end
   |          tg_tensor *loss = tg_mse_loss(tg_add(tg_mul(x, w), b), y);
   |          tg_backward(loss);                                  // fills the gradients of w and b
   |          bool was = tg_grad_mode(tg, false);                 // the update itself is not recorded
   |          tg_sub_(w, tg_mul_scalar(tg_grad_of(w), 0.1));
   |          tg_sub_(b, tg_mul_scalar(tg_grad_of(b), 0.1));
   |          tg_grad_mode(tg, was);
   |          tg_zero_grad(w);
   |          tg_zero_grad(b);
   |          tg_end(tg, m);
   |      }
   |      if (tg_failed(tg)) printf("%s\n", tg_error_text(tg));   // one check for the whole chain
   |      else printf("w %.1f, b %.1f\n", tg_item(w), tg_item(b));
   |      tg_close(tg);                                           // returns every byte
   |      return 0;
   |  }
   >  w 3.0, b 2.0

   What is not here yet: modules, optimisers, data loading, captured graphs, ONNX, CUDA. README says what is.

   ---- contents: search for the tag ----
   PART I, declarations
     >>config >>types                     linkage, limits; codes, dtypes, shapes, the tensor
     >>context >>scopes                   open, close, hooks, errors, random state, threads; who frees what
     >>tensor >>autograd                  create, look, copy, view, print, share; backward, grad, hooks, checks, the tape
     >>formulas                           the table of elementwise operations: value, derivative, documentation
     >>ops                                one prototype for every other operation; operations of your own
     >>device                             other devices: requests of plain data, and who answers them
     >>io                                 safetensors and npy files
     >>places                             the caller's file and line
   PART II, implementation
     >>impl-base >>impl-platform          words and includes; the only section that names an operating system
     >>impl-memory >>impl-error           the context, size classes; messages, the first error, the ring of calls
     >>impl-jobs >>impl-passes            phases of chunks, scratch, devices; the re-reads of PART III
     >>impl-tensor >>impl-autograd        headers, storages, scopes; nodes, calls, the backward walk
     >>impl-map                           tiles, copies, what a formula row becomes
     >>impl-create >>impl-views           creation, random numbers, values in and out; conversions and views
     >>impl-reduce                        sums, products, largest, softmax
     >>impl-sort >>impl-index             sorting; gather, scatter, select, cat
     >>impl-gemm >>impl-conv >>impl-matrix   matrix products; convolution; matmul, linear, losses, dropout
     >>impl-io                            whole files, dicts, safetensors, npy
     >>impl-debug                         printing, the tape as text and drawing
   PART III, kernels, read once per instruction set
     >>pass-vector >>pass-maths           the words of one instruction set; exp, log, tanh, erf ... written with them
     >>pass-map >>pass-reduce >>pass-gemm >>pass-convert >>pass-random >>pass-conv
   PART IV
     >>changes >>licence

   ---- options: define before the include that has TENSORGRAD_IMPLEMENTATION ----
     TENSORGRAD_STATIC       all functions static: several private copies can live in one program, unused ones are dropped
     TENSORGRAD_FILENAME     "name.h" if your copy has another name: the file reads itself once per instruction set
     TENSORGRAD_TEACH        only the plain C kernels: the reference, quick to compile and to step through
     TENSORGRAD_NATIVE       only the kernels that your flags name (-march=native): half the time to compile; where they name none, all as usual
     TENSORGRAD_SOFT_FMA     config.strict also on CPUs without a fused multiply-add and with TENSORGRAD_TEACH: 1.5 s more to compile
     TENSORGRAD_DEBUG        headers of ended tensors are never reused, so every use after its scope is found; kernels as your flags say
     TENSORGRAD_NO_LINES     calls do not note the caller's file and line (define it in all files)
     TENSORGRAD_NO_THREADS   no pool of our own; the jobs hook still works
     TENSORGRAD_NO_STDIO     no files and no console: give hooks
     TENSORGRAD_NO_TIME      no clock
     TG_API                  your own linkage for the public functions

   ---- tensors and views ----
   A tensor is a small struct (>>types) over a storage. Its shape, strides, dtype and data may be read. A view
   has its own shape and strides over the same storage: it never copies, and writing to one is seen in the
   other. Shapes broadcast and dtypes promote as in PyTorch. TG_SHAPE(2, 3) writes a shape in place.

   |  tg_tensor *a = tg_reshape(tg_arange(tg, 0, 6, 1, TG_F32), TG_SHAPE(2, 3));
   |  tg_print(tg_slice(a, ":, ::2"));
   |  tg_add_(tg_select(a, 0, 1), tg_number(tg, 10));             // writes through the view of row 1
   |  tg_print(tg_matmul(a, tg_t(a)));
   >  tensor([[0., 2.],
   >          [3., 5.]])
   >  tensor([[  5.,  44.],
   >          [ 44., 590.]])

   ---- scopes ----
   C has no destructors, and tg_add(tg_mul(a, b), c) must not leak. Every tensor that a function returns is
   held by the innermost open scope: tg_end lets go of all that came since its tg_begin. tg_keep holds a
   tensor beyond that until tg_drop; tg_end_with hands one to the parent scope. Values that a graph needs stay
   alive with the graph. A header used after its scope has ended is an error that names the operation which
   made it, until 256 more tensors have ended too and the header serves again; with TENSORGRAD_DEBUG always.

   |  tg_mark m = tg_begin(tg);
   |  tg_tensor *t = tg_exp(tg_ones(tg, TG_SHAPE(2)));
   |  tg_end(tg, m);
   |  tg_neg(t);
   |  printf("%s\n", tg_error_text(tg));
   >  neg: operand 0 was made by 'exp' and its scope has ended; tg_keep it or tg_end_with it (manual.c:9)

   ---- the graph ----
   Operations on tensors that require a gradient are recorded. tg_backward walks the recorded calls newest
   first and adds to the gradients of the leaves, which tg_grad_of reads; tg_grad returns gradients instead, and
   with .create_graph they can be differentiated again. tg_grad_mode(tg, false) switches recording off. In-place operations count
   versions: a gradient that needs an overwritten value is an error, never a wrong number.

   |  tg_tensor *v = tg_require_grad(tg_full(tg, TG_SCALAR, 3, TG_F32), true), *g, *gg;
   |  tg_tensor *y = tg_mul(tg_square(v), v);                     // v^3
   |  tg_grad(&y, 1, &v, 1, &g, .create_graph = true);
   |  tg_grad(&g, 1, &v, 1, &gg);
   |  printf("%g %g %g\n", tg_item(y), tg_item(g), tg_item(gg));
   >  27 27 18

   ---- errors ----
   Nothing here aborts. A failing call records a code and a message in the context and returns NULL or false;
   while an error is pending every call that computes or writes does the same at once. So check once, at the
   end of a chain. tg_clear makes the context usable again. Without a log hook the first error also goes to
   stderr.
   NULL can be met as the result of a call that failed, or that came while an error was pending; as a pointer
   that a failed call had to fill; and as an answer where the declaration says so (tg_dict_get). It may be handed
   to any function: beside another operand it is an error with your line, unless the operand may be absent; alone
   it has no context to record an error in, so the call returns NULL, and tg_failed stays as it was. Only fields
   need a look first: w->grad of a NULL w ends the program, tg_grad_of(w) does not.

   |  tg_tensor *p = tg_rand(tg, TG_SHAPE(32, 784)), *q = tg_rand(tg, TG_SHAPE(10, 784));
   |  tg_tensor *r = tg_relu(tg_matmul(p, q));
   |  if (!r) printf("%s\n", tg_error_text(tg));
   >  matmul: inner sizes differ: f32[32, 784] x f32[10, 784]; transpose b? (manual.c:7)

   ---- threads and same bits ----
   A context has no threads until tg_threads(tg, n), or until the host gives its own job system in the config.
   Work is cut by its size, never by the number of threads, and partial results are combined in a fixed order:
   the same bits for any number of threads. config.strict extends that to compilers and to all instruction
   sets with a fused multiply-add, and with TENSORGRAD_SOFT_FMA to all others. Random numbers depend on (seed,
   stream, call, element) alone.
*/
#if !defined(TG__PASS)
/* PART I: DECLARATIONS. Cheap to include everywhere; it pulls in stddef, stdint and stdbool only.
   What is said of one declaration stands behind it, or below it and indented; a comment above, at the margin and
   after an empty line, speaks of the whole group. Pointers to results are NULL or 0 before anything can fail. */
#ifndef TENSORGRAD_H
#define TENSORGRAD_H

/* ======================================================================================
   >>config    linkage, limits, small helpers for both languages
   ====================================================================================== */

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>

#define TG_VERSION 100          /* major * 10000 + minor * 100 + patch */
#define TG_MAX_DIMS 8           /* a tensor has at most this many dimensions */

#ifdef __cplusplus
#define TG_EXTERN_C extern "C"
#define TG_EMPTY = {}           /* gives a field of an option struct its zero in C++20, so that designated
                                   initialisers do not warn */
#else
#define TG_EXTERN_C extern
#define TG_EMPTY
#endif

#ifndef TG_API
#ifdef TENSORGRAD_STATIC
#if defined(__GNUC__)
#define TG_API static __attribute__((unused))
#else
#define TG_API static
#endif
#else
#define TG_API TG_EXTERN_C
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ======================================================================================
   >>types    codes, element types, shapes, the tensor
   ====================================================================================== */

typedef struct tg_ctx tg_ctx;          /* holds everything; one thread uses a context at a time */
typedef struct tg__node tg__node;      /* one recorded call of the graph */
typedef struct tg__storage tg__storage;

/* What kind of thing went wrong. tg_error_number tells which message of the list in >>impl-error it was. */
typedef enum tg_error_code {
    TG_OK = 0,
    TG_ERROR_NULL,         /* a required operand is NULL                                    */
    TG_ERROR_CONTEXT,      /* operands of different contexts, or a context of another ABI   */
    TG_ERROR_SHAPE,        /* shapes do not fit together                                    */
    TG_ERROR_DTYPE,        /* the operation does not exist for this element type            */
    TG_ERROR_VALUE,        /* an argument is out of range                                   */
    TG_ERROR_MEMORY,       /* out of memory, or past the context's limit                    */
    TG_ERROR_DEAD,         /* the tensor's scope has ended                                  */
    TG_ERROR_GRAD,         /* no graph, graph already used, saved value overwritten         */
    TG_ERROR_FROZEN,       /* writing to a shared storage                                   */
    TG_ERROR_FILE,         /* a file cannot be opened, read or written                      */
    TG_ERROR_FORMAT,       /* the bytes are not what the format promises                    */
    TG_ERROR_UNSUPPORTED,  /* this build or this machine cannot do it                       */
    TG_ERROR_NUMERIC       /* anomaly mode found a NaN or an infinity                       */
} tg_error_code;

typedef enum tg_dtype {
    TG_F32 = 0, TG_F64, TG_F16, TG_BF16, TG_I64, TG_I32, TG_I16, TG_I8, TG_U8, TG_BOOL, TG_DTYPES,
    /* opaque: 32 elements along the last dimension share a scale (an f16 before them); no element has an address.
       Made and read by tg_to, copied, shared, kept in files; operations on numbers refuse them */
    TG_Q8_0 = 16,                      /* 8 bits an element, 34 bytes a block */
    TG_Q4_0                            /* 4 bits an element, 18 bytes a block */
} tg_dtype;

typedef enum tg_device { TG_CPU = 0, TG_CUDA = 1, TG_DEVICES = 4 } tg_device;   /* 2 and 3 are free for a host's own */

/* The instruction sets a context can use. TG_ISA_BEST picks the widest one that the machine supports. */
typedef enum tg_isa { TG_ISA_BEST = 0, TG_ISA_PLAIN, TG_ISA_AVX2, TG_ISA_AVX512, TG_ISA_NEON } tg_isa;

/* A tensor: a strided view of numbers, and its place in the graph. The fields down to `requires_grad` may be
   read; only functions change them. Strides count elements, may be zero or negative. Element [i, j] of a host
   tensor stands at (char *)data + (i * stride[0] + j * stride[1]) * tg_dtype_size(dtype). */
typedef struct tg_tensor tg_tensor;
struct tg_tensor {
    tg_ctx    *tg;                     /* the context that made it                                   */
    void      *data;                   /* first element, offset applied; NULL where the host can't read */
    int64_t    numel;                  /* product of the shape; 1 for a scalar                       */
    int64_t    shape[TG_MAX_DIMS];
    int64_t    stride[TG_MAX_DIMS];    /* in elements                                                */
    tg_tensor *grad;                   /* NULL until a backward reached this tensor; see tg_grad_of   */
    const char *name;                  /* NULL, or what tg_set_name gave it                          */
    int32_t    ndim;                   /* 0 for a scalar                                             */
    tg_dtype   dtype;
    tg_device  device;
    bool       requires_grad;

    /* private from here on */
    bool         is_number;            /* made by tg_number or tg_integer: weak in dtype promotion    */
    bool         alive;
    uint8_t      opaque;               /* 0: numbers at strides; else TG__BLOCKS, TG__SPARSE, TG__LANES */
    bool         sparse_grad;          /* a leaf that takes row-sparse gradients                     */
    bool         inline_storage;       /* header, storage and data are one block                      */
    bool         unrecorded;           /* a view made with the grad mode off                          */
    bool         off_record;           /* computed with the grad mode off from what needs a gradient  */
    uint32_t     count;
    uint32_t     kept;                 /* how many of the counts are tg_keep's, for tg_drop to undo   */
    uint32_t     out_index;            /* which output of its node                                    */
    uint32_t     rebased;              /* views: how often the base had been rewritten when node was made;
                                          bases: how often                                           */
    tg__node    *node;                 /* the call that made it, or its leaf node                     */
    tg__storage *storage;
    void        *place;                /* data, also where that is NULL: an address on the device     */
    tg_tensor   *base;                 /* views: the tensor whose storage this is                     */
    tg_tensor   *inner;                /* row-sparse: i64 [K], the rows that the storage's [K, ...] are;
                                          inside tg_vmap: the whole with its leading dimension          */
    tg_tensor   *next_alias, *prev_alias;   /* all headers over one storage                           */
    const char  *made_by;              /* name of the operation                                       */
};

/* TG_SHAPE(2, 3): a shape written in place; two arguments of a call, the number of dimensions and the sizes.
   TG_SCALAR is the shape of a 0-dimensional tensor. */
#ifdef __cplusplus
} /* extern "C" */
struct tg__dims { int64_t d[TG_MAX_DIMS + 1]; };
#define TG__DIMS(...) (tg__dims{{__VA_ARGS__}}.d)
extern "C" {
#else
#define TG__DIMS(...) ((int64_t[TG_MAX_DIMS + 1]){__VA_ARGS__})
#endif
#define TG__COUNT_(a, b, c, d, e, f, g, h, i, j, k, l, m, o, p, q, n, ...) n
#define TG__COUNT(...) TG__COUNT_(__VA_ARGS__, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define TG_SHAPE(...) TG__COUNT(__VA_ARGS__), TG__DIMS(__VA_ARGS__)
#define TG_DIMS(...) TG_SHAPE(__VA_ARGS__)
#define TG_SCALAR 0, (const int64_t *)NULL

/* A number that may be absent, for options whose 0 is neither torch's default nor illegal: TG_IS(0) is a zero
   that was meant, all zero bytes is "not given". */
typedef struct tg_maybe { bool is; double value; } tg_maybe;
#ifdef __cplusplus
#define TG_IS(v) tg_maybe{true, (double)(v)}
#else
#define TG_IS(v) {true, (double)(v)}
#endif

/* Calls with options: the operands first, then any options by name.

       tg_conv2d(x, weight, bias, .padding = {1, 1})        C, and C++20
       tg_conv2d_args o; o.padding[0] = o.padding[1] = 1;
       tg_conv2d(x, weight, bias, o)                        C++ before C++20, which has no such initialisers
       tg_conv2d_from(&args)                                everywhere, operands in the struct too; for bindings

   The struct of tg_name is tg_name_args: `at` is the caller's file and line, which the macro fills in; then the
   operands; then the options by alphabet. An option that is zero or not given has torch's default. */
typedef struct tg_place { const char *file; int line; } tg_place;
#ifdef TENSORGRAD_NO_LINES
#define TG__HERE {NULL, 0}
#else
#define TG__HERE {__FILE__, __LINE__}
#endif
/* TG__OPTIONSn serves every call with n operands: the function, then field and value of each operand, the
   options behind the last value. */
#define TG__OPTIONS1(name, f, ...) TG__OPTIONS(name, , f, __VA_ARGS__)
#define TG__OPTIONS2(name, f, a, g, ...) TG__OPTIONS(name, TG__SET(name, f, a), g, __VA_ARGS__)
#define TG__OPTIONS3(name, f, a, g, b, h, ...) \
    TG__OPTIONS(name, TG__SET(name, f, a) TG__SET(name, g, b), h, __VA_ARGS__)
#define TG__OPTIONS4(name, f, a, g, b, h, c, i, ...) \
    TG__OPTIONS(name, TG__SET(name, f, a) TG__SET(name, g, b) TG__SET(name, h, c), i, __VA_ARGS__)
#define TG__OPTIONS5(name, f, a, g, b, h, c, i, d, j, ...) \
    TG__OPTIONS(name, TG__SET(name, f, a) TG__SET(name, g, b) TG__SET(name, h, c) TG__SET(name, i, d), j, __VA_ARGS__)
#if !defined(__cplusplus)
#define TG__SET(name, field, value) .field = (value),
#define TG__OPTIONS(name, sets, field, ...) name##_from(&(name##_args){ .at = TG__HERE, sets .field = __VA_ARGS__ })
#else
} /* extern "C" */
#if defined(__cpp_designated_initializers) && __cplusplus >= 202002L
template <class T> inline const T *tg__address(const T &t) { return &t; }
#define TG__SET(name, field, value) .field = (value),
#define TG__OPTIONS(name, sets, field, ...) \
    name##_from(tg__address(name##_args{ .at = TG__HERE, sets .field = __VA_ARGS__ }))
#else
template <class T> struct tg__same { typedef T type; };       /* a value takes its field's type, so that NULL is a pointer */
template <class Result, class Args> struct tg__options {
    Result (*from)(const Args *);
    Args args;
    template <class Field> tg__options &set(Field Args::*field, typename tg__same<Field>::type value) {
        args.*field = value;
        return *this;
    }
    Result run() const { return from(&args); }
};
template <class Result, class Args, class Field>
inline tg__options<Result, Args> tg__options_of(Result (*from)(const Args *), tg_place at,
    Field Args::*field, typename tg__same<Field>::type value, Args args = Args()) {
    tg__options<Result, Args> o = { from, args };
    o.args.at = at;
    return o.set(field, value);
}
#define TG__SET(name, field, value) .set(&name##_args::field, value)
#define TG__OPTIONS(name, sets, field, ...) \
    tg__options_of(&name##_from, tg_place TG__HERE, &name##_args::field, __VA_ARGS__) sets .run()
#endif
extern "C" {
#endif

TG_API size_t      tg_dtype_size(tg_dtype dtype);          /* bytes of one element; 0 for block-quantised types   */
TG_API size_t      tg_dtype_bytes(tg_dtype dtype, int64_t count);   /* bytes of `count` elements in a row         */
TG_API const char *tg_dtype_name(tg_dtype dtype);          /* "f32", "bf16", ...                                  */
TG_API bool        tg_dtype_is_float(tg_dtype dtype);
TG_API tg_dtype    tg_dtype_promote(tg_dtype a, tg_dtype b);   /* torch.promote_types                             */
TG_API uint16_t    tg_f16_from_f32(float v);               /* rounds to nearest even; overflow becomes infinity   */
TG_API float       tg_f32_from_f16(uint16_t v);
TG_API uint16_t    tg_bf16_from_f32(float v);
TG_API float       tg_f32_from_bf16(uint16_t v);

/* ======================================================================================
   >>context    tg_open and tg_close, hooks, errors, log, random state, threads
   ====================================================================================== */

typedef enum tg_log_level { TG_LOG_PRINT = 0, TG_LOG_INFO, TG_LOG_WARNING, TG_LOG_ERROR } tg_log_level;

/* What the host may supply. Every function gets its `user` pointer back. A hook that is NULL has a default:
   malloc, the console, no threads, the system's monotonic clock, the C library's files. The size and
   alignment that `alloc` was given come back in `release`. While a hook runs its context only answers questions
   (tg_failed, tg_error_text, tg_traceback, tg_memory, tg_say, ...): every call that would compute, write, begin,
   end, free or clear is refused by name. Other contexts may be used. */
typedef struct tg_hooks {
    void *(*alloc)(void *user, size_t size, size_t align);   /* NULL: no memory, which is an error, never the end */
    void  (*release)(void *user, void *p, size_t size, size_t align);
    void *alloc_user;
    /* one line, without its newline, except for TG_LOG_PRINT */
    void (*log)(void *user, tg_log_level level, const char *text);
    void *log_user;
    /* Calls body(arg, i) for every i in 0..count-1, in any order, on any threads, and returns when all are done. */
    void (*parallel_for)(void *user, int64_t count, void (*body)(void *arg, int64_t i), void *arg);
    void *jobs_user;
    int   jobs_width;              /* the most bodies that run at once, 32 at most; 0 means 32 */
    double (*clock)(void *user);   /* seconds, from any start                                  */
    void *clock_user;
    /* Files. read fills *data (allocated with `alloc`, align 64) with the whole file; write replaces the file
       or leaves it as it was. */
    bool (*file_read)(void *user, tg_ctx *tg, const char *path, void **data, size_t *size);
    bool (*file_write)(void *user, const char *path, const void *const *parts, const size_t *sizes, int n_parts);
    void *file_user;
} tg_hooks;

typedef struct tg_config {
    tg_hooks hooks;
    tg_isa   isa;             /* TG_ISA_BEST, or one that must be used; refused where the machine lacks it          */
    bool     strict;          /* the same bits on every compiler and every instruction set with FMA, at some cost   */
    bool     trap_on_error;   /* stop in the debugger where an error is recorded                                    */
    bool     no_cache;        /* every block comes from and returns to the allocator: for leak and overflow hunting */
    int      threads;         /* 0: none but the caller's; else as tg_threads, with -1 for the number of cores      */
    size_t   memory_limit;    /* 0: none; else the most bytes that the context holds, past it a clean error         */
    uint64_t seed;            /* of the random numbers; 0 is a seed like any other                                  */
} tg_config;

/* Opens a context; NULL config means all defaults. Close it with tg_close, which returns every byte. In C:
   tg_open(&(tg_config){ .threads = 2, .seed = 1 }). Returns NULL and says why to the config's log hook, without
   one to stderr: memory is short or the limit too small for a context, alloc comes without release, there is no
   such instruction set in this build or machine, threads cannot be started, strict mode is asked of a build that
   fuses against its pragmas (clang -ffp-contract=fast) or has no FMA and no TENSORGRAD_SOFT_FMA, or the header that the caller saw is not the one that was
   compiled (then the config is not read). */
#define TG_ABI ((uint32_t)(TG_VERSION * 8u) ^ (uint32_t)(sizeof(tg_tensor) << 20) ^ (uint32_t)(sizeof(tg_config) << 10))
#define tg_open(...) tg_open_abi((__VA_ARGS__), TG_ABI)
TG_API tg_ctx *tg_open_abi(const tg_config *config, uint32_t abi);
TG_API void    tg_close(tg_ctx *tg);
TG_API tg_isa  tg_isa_used(tg_ctx *tg);
TG_API const char *tg_isa_name(tg_ctx *tg);    /* "avx512", ... for reports      */
TG_API bool    tg_isa_supported(tg_isa isa);   /* by this build and this machine */

/* Errors. A failing call records the first error and returns NULL or false; until tg_clear every call that
   computes or writes returns NULL or false at once. */
TG_API bool          tg_failed(tg_ctx *tg);         /* true while an error is pending; true for NULL    */
TG_API tg_error_code tg_error(tg_ctx *tg);
TG_API int           tg_error_number(tg_ctx *tg);   /* stable number of the message, 0 without an error */
TG_API const char   *tg_error_text(tg_ctx *tg);     /* "" without an error; valid until tg_clear        */
TG_API void          tg_clear(tg_ctx *tg);
TG_API size_t        tg_traceback(tg_ctx *tg, char *out, size_t size);
    /* your last calls, newest first, one a line; returns the length of the whole text, as snprintf does */
TG_API void          tg_say(tg_ctx *tg, tg_log_level level, const char *text);

/* The layer that is at work: messages begin with its path. tg_path_begin adds ".name" and returns a mark; tg_path_end
   takes off all that came since that mark, so that an early return cannot unbalance them. Names are copied. */
TG_API size_t        tg_path_begin(tg_ctx *tg, const char *name);
TG_API void          tg_path_end(tg_ctx *tg, size_t mark);

/* Threads and random numbers. */
TG_API bool     tg_threads(tg_ctx *tg, int n);
    /* n threads in all, the caller's included; more than 32 count as 32. 1: the caller's alone; 0: one per core,
       which in tg_config is -1 */
TG_API int      tg_threads_used(tg_ctx *tg);
TG_API double   tg_seconds(tg_ctx *tg);               /* by the clock hook, or the machine's; from any start */
TG_API void     tg_seed(tg_ctx *tg, uint64_t seed);   /* also sets the call number to 0                      */
TG_API void     tg_stream(tg_ctx *tg, uint64_t id);
    /* numbers of its own for this context under a common seed: for a rank, for a worker */
typedef struct tg_random_state { uint64_t seed, stream, call; } tg_random_state;
TG_API tg_random_state tg_random_get(tg_ctx *tg);
TG_API void     tg_random_set(tg_ctx *tg, tg_random_state state);

/* ======================================================================================
   >>scopes    who frees what: begin, end, keep, drop; how much memory
   ====================================================================================== */

/* Every tensor that a function returns is held by the innermost open scope of its context. tg_end lets go of
   all that came since its tg_begin, scopes opened later and left open included. Without any scope the root
   scope holds everything until tg_close. */
typedef struct tg_mark { uint32_t depth, serial; } tg_mark;
TG_API tg_mark    tg_begin(tg_ctx *tg);
TG_API void       tg_end(tg_ctx *tg, tg_mark mark);
TG_API tg_tensor *tg_end_with(tg_ctx *tg, tg_mark mark, tg_tensor *t);
    /* ends the scope and hands t to the parent scope; returns t */
TG_API tg_tensor *tg_keep(tg_tensor *t);   /* t lives until tg_drop, whatever its scope does; returns t */
TG_API void       tg_drop(tg_tensor *t);
    /* undoes one tg_keep; NULL is fine. What a scope, a graph or a gradient holds is not the caller's to drop: a
       tg_drop without its tg_keep is an error that names the tensor, and changes nothing. Both also work while an
       error is pending */

/* A loop whose steps are alike asks the host's allocator for nothing any more once each size has been freed once
   and 256 tensors have ended: so many ended headers are held back (see "scopes" above) before they serve again. */
typedef struct tg_memory_info {
    size_t now, peak;         /* bytes taken from the host's allocator, and the most there ever were  */
    size_t tensors;           /* of these: bytes in live tensors' data                                */
    size_t graph;             /* bytes in recorded nodes                                              */
    size_t cached;            /* bytes waiting to be used again                                       */
    size_t scratch;           /* bytes of the threads' scratch slots                                  */
    uint64_t host_calls;      /* calls of the allocator since tg_open                                 */
    int64_t live_tensors, live_nodes;
} tg_memory_info;
TG_API tg_memory_info tg_memory(tg_ctx *tg);
TG_API void tg_trim(tg_ctx *tg);   /* returns cached blocks to the host's allocator */

/* ======================================================================================
   >>tensor    create, look, copy, view, slice, print, share
   ====================================================================================== */

/* Creation. `ndim, shape` is TG_SHAPE(...) or two variables. The dtype is f32 unless said otherwise. */
TG_API tg_tensor *tg_empty(tg_ctx *tg, int ndim, const int64_t *shape, tg_dtype dtype);   /* uninitialised */
TG_API tg_tensor *tg_zeros(tg_ctx *tg, int ndim, const int64_t *shape);
TG_API tg_tensor *tg_ones(tg_ctx *tg, int ndim, const int64_t *shape);
TG_API tg_tensor *tg_full(tg_ctx *tg, int ndim, const int64_t *shape, double value, tg_dtype dtype);
TG_API tg_tensor *tg_number(tg_ctx *tg, double value);
    /* 0-d; promotes like a Python float: beside a tensor of a floating type that type stays */
TG_API tg_tensor *tg_integer(tg_ctx *tg, int64_t value);                  /* 0-d; promotes like a Python int          */
TG_API tg_tensor *tg_arange(tg_ctx *tg, double start, double end, double step, tg_dtype dtype);
    /* start, start + step, ..., without end; of an integer type int64 numbers, of which smaller types keep the low bits */
TG_API tg_tensor *tg_eye(tg_ctx *tg, int64_t n);
TG_API tg_tensor *tg_from(tg_ctx *tg, int ndim, const int64_t *shape, tg_dtype dtype, const void *data);
    /* a copy of packed row-major data */
TG_API tg_tensor *tg_from_f32(tg_ctx *tg, int ndim, const int64_t *shape, const float *data);
TG_API tg_tensor *tg_wrap(tg_ctx *tg, int ndim, const int64_t *shape, tg_dtype dtype, void *data);
    /* no copy: a tensor over the caller's memory, which must outlive it */
TG_API tg_tensor *tg_empty_like(tg_tensor *t);                            /* same shape, dtype and dense stride order */
TG_API tg_tensor *tg_zeros_like(tg_tensor *t);
TG_API tg_tensor *tg_ones_like(tg_tensor *t);
TG_API tg_tensor *tg_full_like(tg_tensor *t, double value);
TG_API tg_tensor *tg_rand(tg_ctx *tg, int ndim, const int64_t *shape);    /* uniform in [0, 1)                        */
TG_API tg_tensor *tg_randn(tg_ctx *tg, int ndim, const int64_t *shape);   /* normal, mean 0, deviation 1              */
TG_API tg_tensor *tg_randint(tg_ctx *tg, int64_t low, int64_t high, int ndim, const int64_t *shape);
    /* i64 in [low, high) */
TG_API tg_tensor *tg_bernoulli(tg_tensor *p);   /* 1 with the probability that p's element gives, else 0; p's dtype */
TG_API tg_tensor *tg_uniform_(tg_tensor *t, double low, double high);
TG_API tg_tensor *tg_normal_(tg_tensor *t, double mean, double std);

/* Looking and copying out. tg_item is the one number of a tensor with one element (NaN after an error). */
TG_API double     tg_item(tg_tensor *t);
TG_API int64_t    tg_item_i64(tg_tensor *t);
TG_API double     tg_get(tg_tensor *t, const int64_t *index);             /* one element; index has ndim entries    */
TG_API bool       tg_set(tg_tensor *t, const int64_t *index, double value);
TG_API bool       tg_read(tg_tensor *t, void *out, size_t size);
    /* copies out packed and row-major in t's dtype; `size` must be the number of its bytes */
TG_API bool       tg_read_f32(tg_tensor *t, float *out, int64_t count);   /* converted to f32                       */
TG_API bool       tg_write(tg_tensor *t, const void *data, size_t size);
    /* copies packed row-major data of t's dtype into t */
TG_API bool       tg_is_contiguous(tg_tensor *t);
TG_API bool       tg_equal(tg_tensor *a, tg_tensor *b);                   /* same shape and equal elements          */
TG_API bool       tg_allclose(tg_tensor *a, tg_tensor *b, double rtol, double atol);
TG_API tg_tensor *tg_set_name(tg_tensor *t, const char *name);            /* copied; shows in messages and drawings */

/* Conversions and copies, all differentiable. Writing in place (these and every operation whose name ends in _)
   needs elements of its own: a tensor that names one element twice is refused (tg_fill_ and tg_zero_ take
   expanded ones), and so is an operand that shares some elements with the written tensor; the same view, and
   views that interleave, pass. */
TG_API tg_tensor *tg_to(tg_tensor *t, tg_dtype dtype);        /* t itself when it has that dtype    */
TG_API tg_tensor *tg_clone(tg_tensor *t);                     /* a copy with t's dense stride order */
TG_API tg_tensor *tg_contiguous(tg_tensor *t);                /* t itself when it is row-major      */
TG_API tg_tensor *tg_copy_(tg_tensor *to, tg_tensor *from);   /* from is broadcast and converted    */
TG_API tg_tensor *tg_fill_(tg_tensor *t, double value);
TG_API tg_tensor *tg_zero_(tg_tensor *t);

/* Views: the same storage, another shape. Negative dims count from the end. */
TG_API tg_tensor *tg_view(tg_tensor *t, int ndim, const int64_t *shape);
    /* one size may be -1; an error where no strides describe it, see tg_reshape */
TG_API tg_tensor *tg_reshape(tg_tensor *t, int ndim, const int64_t *shape);   /* a view where possible, else a copy */
TG_API tg_tensor *tg_flatten(tg_tensor *t, int64_t start_dim, int64_t end_dim);
TG_API tg_tensor *tg_permute(tg_tensor *t, int ndim, const int64_t *dims);
TG_API tg_tensor *tg_transpose(tg_tensor *t, int64_t dim0, int64_t dim1);
TG_API tg_tensor *tg_t(tg_tensor *t);   /* [M, N] -> [N, M]; at most 2 dimensions */
TG_API tg_tensor *tg_expand(tg_tensor *t, int ndim, const int64_t *shape);    /* -1 keeps a size                    */
TG_API tg_tensor *tg_squeeze(tg_tensor *t, int64_t dim);                      /* removes dim if its size is 1       */
TG_API tg_tensor *tg_unsqueeze(tg_tensor *t, int64_t dim);
TG_API tg_tensor *tg_select(tg_tensor *t, int64_t dim, int64_t index);        /* the dimension goes away            */
TG_API tg_tensor *tg_narrow(tg_tensor *t, int64_t dim, int64_t start, int64_t length);
TG_API tg_tensor *tg_slice_dim(tg_tensor *t, int64_t dim, int64_t start, int64_t end, int64_t step);
    /* start and end are clamped as Python does; step may be negative */
TG_API tg_tensor *tg_slice(tg_tensor *t, const char *text);
    /* text is what Python has between the brackets: "2:5, ..., ::2", "-1", "None" */
TG_API tg_tensor *tg_as_strided(tg_tensor *t, int ndim, const int64_t *shape, const int64_t *stride, int64_t offset);
TG_API tg_tensor *tg_detach(tg_tensor *t);                                    /* same storage, outside the graph    */

/* Printing, as torch prints: summarised when large. tg_format returns the length it needs, as snprintf does. */
TG_API void   tg_print(tg_tensor *t);
TG_API size_t tg_format(tg_tensor *t, char *out, size_t size);
TG_API size_t tg_format_line(tg_tensor *t, char *out, size_t size);   /* "f32[2, 3] requires_grad [1, 2, 3, ...]" */
TG_API size_t tg_format_stats(tg_tensor *t, char *out, size_t size);
    /* "f32[2, 3] mean 0.5 std 0.1 in [0, 1], 0 nan, 0 inf" */
TG_API void   tg_show(tg_tensor *t);   /* the line and the statistics; made to be called from a debugger */

/* A header in context `to` over t's storage, for weights that many threads use. The storage is frozen while
   it has more than one holder and outlives the context that made it. Call it while no other thread uses
   either context. Gradients belong to the header. */
TG_API tg_tensor *tg_share(tg_ctx *to, tg_tensor *t);

/* Exchanges the storages of two tensors of one context, dtype and shape: the values change places, nothing is
   copied. Frozen storages may take part, so new weights replace shared ones between two calls. Neither tensor
   may be a view, have views or be a result of the graph. */
TG_API bool tg_swap(tg_tensor *a, tg_tensor *b);

/* ======================================================================================
   >>autograd    the graph: backward, grad, hooks, checks, the tape
   ====================================================================================== */

TG_API tg_tensor *tg_require_grad(tg_tensor *t, bool on);   /* leaves of a floating dtype only; returns t */
TG_API bool       tg_grad_mode(tg_ctx *tg, bool on);
    /* switches recording on or off and returns what it was: bool was = tg_grad_mode(tg, false); ... tg_grad_mode(tg, was) */
TG_API tg_tensor *tg_retain_grad(tg_tensor *t);             /* a non-leaf keeps its gradient too          */
TG_API tg_tensor *tg_grad_of(tg_tensor *t);
    /* the gradient that backwards have added up: borrowed, until tg_zero_grad or t's end. NULL gives NULL, also
       while an error is pending; a tensor that has none is an error that says why */
TG_API bool       tg_has_grad(tg_tensor *t);                /* asks, without an error                     */
TG_API bool       tg_zero_grad(tg_tensor *t);               /* drops the gradient                         */

/* Row-sparse gradients: of a table [N, ...] of which tg_index_select along dimension 0 took few rows, a first-order
   gradient may be those rows alone. On a leaf that was told so, `grad` (and what hooks and tg_grad get) is then a
   tensor of the leaf's shape whose data is NULL and which operations refuse; rows may repeat, and add up. */
TG_API tg_tensor *tg_sparse_grad(tg_tensor *t, bool on);    /* a leaf; returns t                          */
TG_API bool       tg_is_sparse(tg_tensor *t);
TG_API tg_tensor *tg_sparse_rows(tg_tensor *t);             /* i64 [K]                                    */
TG_API tg_tensor *tg_sparse_values(tg_tensor *t);           /* [K, ...], sharing t's storage              */
TG_API tg_tensor *tg_sparse_new(tg_tensor *rows, tg_tensor *values, int64_t n);   /* i64 [K], [K, ...] -> [n, ...] */
TG_API tg_tensor *tg_to_dense(tg_tensor *t);                /* the rows added to zeros; t itself if it is dense */

/* Walks the graph back from `loss` and adds to the gradient of every leaf that requires one. A loss of more than one
   element needs `.gradient`. The graph's saved values are let go of on the way unless .retain_graph or
   .create_graph is set. */
typedef struct tg_backward_args {
    tg_place at TG_EMPTY;
    tg_tensor *loss TG_EMPTY;
    bool create_graph TG_EMPTY;
    tg_tensor *gradient TG_EMPTY;      /* of loss's shape; NULL: 1 for a loss of one element */
    bool retain_graph TG_EMPTY;
} tg_backward_args;
TG_API bool tg_backward_from(const tg_backward_args *args);
#define tg_backward(...) TG__OPTIONS1(tg_backward, loss, __VA_ARGS__)

/* Gradients of outputs with respect to inputs, which touch no leaf's own: fills gradients[0..n_inputs-1],
   each of its input's shape. An input that the outputs do not depend on is an error, or gives NULL with
   .allow_unused. */
typedef struct tg_grad_args {
    tg_place at TG_EMPTY;
    tg_tensor *const *outputs TG_EMPTY; int n_outputs TG_EMPTY;
    tg_tensor *const *inputs TG_EMPTY;  int n_inputs TG_EMPTY;
    tg_tensor **gradients TG_EMPTY;
    bool allow_unused TG_EMPTY;
    bool create_graph TG_EMPTY;
    tg_tensor *const *grad_outputs TG_EMPTY;   /* NULL: 1 for outputs of one element */
    bool retain_graph TG_EMPTY;
} tg_grad_args;
TG_API bool tg_grad_from(const tg_grad_args *args);
#define tg_grad(outputs_, n_outputs_, inputs_, n_inputs_, ...) \
    TG__OPTIONS5(tg_grad, outputs, outputs_, n_outputs, n_outputs_, inputs, inputs_, n_inputs, n_inputs_, gradients, __VA_ARGS__)

/* Functions of several tensors, for the derivative products below. `f` fills outputs from inputs with tg
   calls and returns false if it failed. Like every function that the library calls on your behalf (gradient
   hooks, and check, forward and backward of operations of your own) it may call everything, but closing the
   context or ending a scope that it did not begin is refused, and so is a walk of the very graph whose backward
   is being called. The grad mode is put back behind it. */
typedef bool (*tg_function)(void *user, tg_tensor *const *inputs, int n_inputs, tg_tensor **outputs, int n_outputs);
typedef struct tg_function_call {
    tg_function f;
    void *user;
    tg_tensor *const *inputs;
    int n_inputs, n_outputs;
} tg_function_call;
TG_API bool tg_vjp(const tg_function_call *call, tg_tensor *const *v, tg_tensor **outputs, tg_tensor **vjps);
    /* v^T J: one v per output, one result per input; outputs may be NULL, here and below */
TG_API bool tg_jvp(const tg_function_call *call, tg_tensor *const *v, tg_tensor **outputs, tg_tensor **jvps);
    /* J v: one v per input, one result per output */
TG_API bool tg_hvp(const tg_function_call *call, tg_tensor *const *v, tg_tensor **output, tg_tensor **hvps);
    /* H v of a function with one scalar output */
TG_API tg_tensor *tg_jacobian(const tg_function_call *call, int output, int input);
    /* [output's shape..., input's shape...] */

/* Compares gradients with central differences, in f64: first order, and second order with .second. Records an
   error that names input, element and both values. */
typedef struct tg_gradcheck_args {
    tg_place at TG_EMPTY;
    const tg_function_call *call TG_EMPTY;
    double atol TG_EMPTY;            /* zero: 1e-5 */
    double eps TG_EMPTY;             /* zero: 1e-6 */
    double rtol TG_EMPTY;            /* zero: 1e-3 */
    bool second TG_EMPTY;
} tg_gradcheck_args;
TG_API bool tg_gradcheck_from(const tg_gradcheck_args *args);
#define tg_gradcheck(...) TG__OPTIONS1(tg_gradcheck, call, __VA_ARGS__)

/* Maps f over the leading dimension of its inputs, which all have it in one size: f sees each without it and is run
   once, the outputs get it in front. Differentiable. An operation without a rule, and reading values, is refused. */
TG_API bool tg_vmap(const tg_function_call *call, tg_tensor **outputs);

/* Runs f without recording, and again when the backward pass needs its graph: memory for time. Random calls
   repeat their numbers. */
TG_API bool tg_checkpoint(const tg_function_call *call, tg_tensor **outputs);

/* Called with the gradient of t during a backward; returns a replacement, or NULL to leave it. */
typedef tg_tensor *(*tg_hook_function)(void *user, tg_tensor *grad);
TG_API bool tg_hook(tg_tensor *t, tg_hook_function hook, void *user);

TG_API bool tg_anomaly(tg_ctx *tg, bool on);
    /* returns what it was; while it is on, the first NaN or infinity is an error that names the operation and its line */

/* The tape: the recorded calls that `t` depends on, newest first. */
typedef struct tg_tape_entry {
    const char *op, *file; int line; uint64_t number;     /* counts the context's recorded calls       */
    int n_in, n_out;
    const tg__node *node;
} tg_tape_entry;
TG_API int    tg_tape(tg_tensor *t, tg_tape_entry *out, int room);   /* fills up to room, returns how many there are */
TG_API int    tg_tape_input(const tg_tape_entry *e, int i, const int64_t **shape, uint64_t *from);
    /* input i of a recorded call: returns its number of dimensions, or -1 where there is none; *shape is its shape,
       *from the number of the call that made it, 0: none; either pointer may be NULL */
TG_API size_t tg_tape_text(tg_tensor *t, char *out, size_t size);
TG_API size_t tg_tape_dot(tg_tensor *t, char *out, size_t size);     /* for `dot -Tsvg`                              */

/* ======================================================================================
   >>formulas    the table of elementwise operations: value, derivative, domain, documentation
   A row declares and defines tg_name(x) and tg_name_(x) (in place), its kernels for every instruction set,
   its derivative (fused, and from tg calls where it must itself be differentiable) and its gradient test.
     F1(name, types, saves, value, dx, domain, doc)            one operand x
     F2(name, types, saves, value, da, db, domain, doc)        two operands a, b, broadcast together; also
                                                               tg_name_scalar(a, number) and, in place,
                                                               tg_name_scalar_. Beside an integer or bool tensor
                                                               a whole number counts as an integer, and integers
                                                               stay exact; other numbers, and past 2^53 all of
                                                               them, count as floats
     F3(name, types, saves, value, da, db, dc, domain, doc)    three operands a, b, c
     F1P, F2P, F3P(name, numbers, ...)                         the same with numbers after the operands, which
                                                               N1(alpha) or N2(low, high) names; the formulas
                                                               read them as P0 and P1
   types   SAME: integers stay integers; NUMERIC: SAME without bool; COUNTING: SAME, but bool becomes i64;
           FLOATING: integers become f32; FLOAT_ONLY: integers are refused; PREDICATE: the result is bool;
           CHOOSE: a is a condition, the result has the type of b and c
   saves   what the derivative reads: X the operand, Y the result, NONE; for two operands NEED(what da reads,
           what db reads), for three NEED3(da, db, dc), of NONE, A, B, C, Y and AB, BC, BY, ABY
   value   the words below over x or a, b, c; derivatives may also use g, the gradient of the result, and y,
           the result; K(v) is the number v, GELU_U and GELU_DU are told in >>pass-map
   domain  where the gradient test draws its operands: REAL, NOT_AT_0, POSITIVE, UNIT (-1 to 1), ABOVE_1, APART
           (operands that differ), NO_GRADIENT_TEST for steps
   ====================================================================================== */

#define TG_FORMULAS(F1, F1P, F2, F2P, F3, F3P) \
  F1(tg_neg,         NUMERIC,   NONE, NEG(x),              NEG(g),                                        REAL,     "-x") \
  F1(tg_abs,         NUMERIC,   X,    ABS(x),              MUL(g, SIGN(x)),                               NOT_AT_0, "|x|") \
  F1(tg_sign,        SAME,      NONE, SIGN(x),             ZERO,                                          NOT_AT_0, "-1, 0 or 1") \
  F1(tg_square,      COUNTING,  X,    MUL(x, x),           MUL(g, ADD(x, x)),                             REAL,     "x * x") \
  F1(tg_sqrt,        FLOATING,  Y,    SQRT(x),             DIV(g, ADD(y, y)),                             POSITIVE, "square root") \
  F1(tg_rsqrt,       FLOATING,  Y,    RSQRT(x),            MUL(MUL(g, K(-0.5)), MUL(y, MUL(y, y))),       POSITIVE, "1 / sqrt(x)") \
  F1(tg_reciprocal,  FLOATING,  Y,    DIV(ONE, x),         NEG(MUL(g, MUL(y, y))),                        NOT_AT_0, "1 / x") \
  F1(tg_exp,         FLOATING,  Y,    EXP(x),              MUL(g, y),                                     REAL,     "e to the x") \
  F1(tg_exp2,        FLOATING,  Y,    EXP2(x),             MUL(g, MUL(y, K(0.69314718055994530942))),     REAL,     "2 to the x") \
  F1(tg_expm1,       FLOATING,  Y,    EXPM1(x),            MUL(g, ADD(y, ONE)),                           REAL,     "e to the x, minus 1") \
  F1(tg_log,         FLOATING,  X,    LOG(x),              DIV(g, x),                                     POSITIVE, "natural logarithm") \
  F1(tg_log2,        FLOATING,  X,    LOG2(x),             DIV(g, MUL(x, K(0.69314718055994530942))),     POSITIVE, "logarithm to base 2") \
  F1(tg_log10,       FLOATING,  X,    LOG10(x),            DIV(g, MUL(x, K(2.30258509299404568402))),     POSITIVE, "logarithm to base 10") \
  F1(tg_log1p,       FLOATING,  X,    LOG1P(x),            DIV(g, ADD(x, ONE)),                           POSITIVE, "log(1 + x)") \
  F1(tg_sin,         FLOATING,  X,    SIN(x),              MUL(g, COS(x)),                                REAL,     "sine") \
  F1(tg_cos,         FLOATING,  X,    COS(x),              NEG(MUL(g, SIN(x))),                           REAL,     "cosine") \
  F1(tg_tan,         FLOATING,  Y,    TAN(x),              MUL(g, ADD(ONE, MUL(y, y))),                   UNIT,     "tangent") \
  F1(tg_asin,        FLOATING,  X,    ASIN(x),             MUL(g, RSQRT(SUB(ONE, MUL(x, x)))),            UNIT,     "inverse sine") \
  F1(tg_acos,        FLOATING,  X,    ACOS(x),             NEG(MUL(g, RSQRT(SUB(ONE, MUL(x, x))))),       UNIT,     "inverse cosine") \
  F1(tg_atan,        FLOATING,  X,    ATAN(x),             DIV(g, ADD(ONE, MUL(x, x))),                   REAL,     "inverse tangent") \
  F1(tg_sinh,        FLOATING,  X,    SINH(x),             MUL(g, COSH(x)),                               REAL,     "hyperbolic sine") \
  F1(tg_cosh,        FLOATING,  X,    COSH(x),             MUL(g, SINH(x)),                               REAL,     "hyperbolic cosine") \
  F1(tg_tanh,        FLOATING,  Y,    TANH(x),             MUL(g, SUB(ONE, MUL(y, y))),                   REAL,     "hyperbolic tangent") \
  F1(tg_asinh,       FLOATING,  X,    ASINH(x),            MUL(g, RSQRT(ADD(MUL(x, x), ONE))),            REAL,     "inverse hyperbolic sine") \
  F1(tg_acosh,       FLOATING,  X,    ACOSH(x),            MUL(g, RSQRT(SUB(MUL(x, x), ONE))),            ABOVE_1,  "inverse hyperbolic cosine") \
  F1(tg_atanh,       FLOATING,  X,    ATANH(x),            DIV(g, SUB(ONE, MUL(x, x))),                   UNIT,     "inverse hyperbolic tangent") \
  F1(tg_erf,         FLOATING,  X,    ERF(x),              MUL(g, MUL(K(1.12837916709551257390), EXP(NEG(MUL(x, x))))),            REAL, "error function") \
  F1(tg_erfc,        FLOATING,  X,    ERFC(x),             MUL(g, MUL(K(-1.12837916709551257390), EXP(NEG(MUL(x, x))))),           REAL, "1 - erf(x)") \
  F1(tg_ndtr,        FLOATING,  X,    NDTR(x),             MUL(g, MUL(K(0.39894228040143267794), EXP(MUL(K(-0.5), MUL(x, x))))),   REAL, "distribution function of the standard normal; its derivative reads x, where torch keeps a copy") \
  F1(tg_sigmoid,     FLOATING,  Y,    SIGMOID(x),          MUL(g, MUL(y, SUB(ONE, y))),                   REAL,     "1 / (1 + exp(-x))") \
  F1(tg_logsigmoid,  FLOAT_ONLY, X,   LOGSIGMOID(x),       MUL(g, SIGMOID(NEG(x))),                       REAL,     "log(sigmoid(x))") \
  F1(tg_relu,        NUMERIC,   Y,    MAX(x, ZERO),        SELECT(LE(y, ZERO), ZERO, g),                  NOT_AT_0, "max(x, 0); derivative 0 at 0") \
  F1(tg_gelu,        FLOAT_ONLY, X,   MUL(x, NDTR(x)),     MUL(g, ADD(NDTR(x), MUL(x, MUL(K(0.39894228040143267794), EXP(MUL(K(-0.5), MUL(x, x))))))), REAL, "x * ndtr(x)") \
  F1(tg_gelu_tanh,   FLOAT_ONLY, X,   GELU_TANH(x),        MUL(g, MUL(SIGMOID(GELU_U(x)), ADD(ONE, MUL(MUL(x, SIGMOID(NEG(GELU_U(x)))), GELU_DU(x))))), REAL, "gelu by the tanh formula, as GPT-2 has it") \
  F1(tg_silu,        FLOAT_ONLY, X,   MUL(x, SIGMOID(x)),  MUL(g, MUL(SIGMOID(x), ADD(ONE, MUL(x, SIGMOID(NEG(x)))))),  REAL,   "x * sigmoid(x)") \
  F1(tg_mish,        FLOAT_ONLY, X,   MUL(x, TANH(SOFTPLUS(x))), MUL(g, ADD(TANH(SOFTPLUS(x)), MUL(MUL(x, SIGMOID(x)), SUB(ONE, MUL(TANH(SOFTPLUS(x)), TANH(SOFTPLUS(x))))))), REAL, "x * tanh(softplus(x))") \
  F1(tg_floor,       NUMERIC,   NONE, FLOOR(x),            ZERO,                                          NO_GRADIENT_TEST, "largest integer <= x") \
  F1(tg_ceil,        NUMERIC,   NONE, CEIL(x),             ZERO,                                          NO_GRADIENT_TEST, "smallest integer >= x") \
  F1(tg_round,       NUMERIC,   NONE, ROUND(x),            ZERO,                                          NO_GRADIENT_TEST, "nearest integer, halves to even") \
  F1(tg_trunc,       NUMERIC,   NONE, TRUNC(x),            ZERO,                                          NO_GRADIENT_TEST, "integer part, towards zero") \
  F1(tg_frac,        FLOAT_ONLY, NONE, SUB(x, TRUNC(x)),   g,                                             NO_GRADIENT_TEST, "x - trunc(x)") \
  F1(tg_isnan,       PREDICATE, NONE, ISNAN(x),            ZERO,                                          REAL,     "is x not a number?") \
  F1(tg_isinf,       PREDICATE, NONE, ISINF(x),            ZERO,                                          REAL,     "is x infinite?") \
  F1(tg_isfinite,    PREDICATE, NONE, ISFINITE(x),         ZERO,                                          REAL,     "is x a finite number?") \
  F1(tg_logical_not, PREDICATE, NONE, EQ(x, ZERO),         ZERO,                                          REAL,     "is x zero?") \
  F1P(tg_leaky_relu, N1(negative_slope), FLOAT_ONLY, X, SELECT(GT(x, ZERO), x, MUL(x, P0)),   SELECT(GT(x, ZERO), g, MUL(g, P0)),                  NOT_AT_0, "x above 0, x * negative_slope below; torch's default is 0.01") \
  F1P(tg_elu,        N1(alpha), FLOAT_ONLY, X, SELECT(GT(x, ZERO), x, MUL(P0, EXPM1(x))), SELECT(LE(x, ZERO), MUL(g, MUL(P0, EXP(SELECT(LT(x, ZERO), x, ZERO)))), g), NOT_AT_0, "x above 0, alpha * (exp(x) - 1) below, the second derivative 0 at 0; torch's default is 1") \
  F1P(tg_softplus,   N2(beta, threshold), FLOAT_ONLY, X, SELECT(GT(MUL(x, P0), P1), x, DIV(SOFTPLUS(MUL(x, P0)), P0)), SELECT(GT(MUL(x, P0), P1), g, MUL(g, SIGMOID(MUL(x, P0)))), REAL, "log(1 + exp(beta * x)) / beta; x itself where beta * x is above threshold; torch's defaults are 1 and 20") \
  F1P(tg_hardtanh,   N2(min_val, max_val), NUMERIC,  X, MIN(MAX(x, P0), P1), SELECT(AND(GT(x, P0), LT(x, P1)), g, ZERO),    REAL,     "clamp whose derivative is 0 at infinite bounds too; torch's defaults are -1 and 1; relu6 is tg_hardtanh(x, 0, 6)") \
  F1P(tg_clamp,      N2(low, high), NUMERIC,  X, MIN(MAX(x, P0), P1), SELECT(OR(AND(GT(x, P0), LT(x, P1)), AND(ISINF(x), AND(GE(x, P0), LE(x, P1)))), g, ZERO), REAL, "x, but not below low nor above high; -INFINITY and INFINITY are no bound; the derivative is 0 at finite bounds") \
  F2(tg_add,         SAME,      NEED(NONE, NONE), ADD(a, b),  g,               g,                         REAL,     "a + b; bools: or") \
  F2(tg_sub,         NUMERIC,   NEED(NONE, NONE), SUB(a, b),  g,               NEG(g),                    REAL,     "a - b") \
  F2(tg_mul,         SAME,      NEED(B, A),       MUL(a, b),  MUL(g, b),       MUL(g, a),                 REAL,     "a * b; bools: and") \
  F2(tg_div,         FLOATING,  NEED(B, AB),      DIV(a, b),  DIV(g, b),       NEG(MUL(DIV(g, b), DIV(a, b))),    NOT_AT_0, "a / b, never an integer division") \
  F2(tg_pow,         NUMERIC,   NEED(AB, ABY),    POW(a, b),  SELECT(EQ(b, ZERO), ZERO, MUL(g, MUL(b, POW(a, SUB(b, ONE))))), SELECT(AND(EQ(a, ZERO), GE(b, ZERO)), ZERO, MUL(g, MUL(y, LOG(a)))), POSITIVE, "a to the b") \
  F2(tg_maximum,     SAME,      NEED(AB, AB),     MAX(a, b),  SELECT(EQ(a, b), MUL(g, HALF), SELECT(LT(a, b), ZERO, g)), SELECT(EQ(a, b), MUL(g, HALF), SELECT(LT(b, a), ZERO, g)), APART, "the larger; NaN wins; equal operands share the gradient") \
  F2(tg_minimum,     SAME,      NEED(AB, AB),     MIN(a, b),  SELECT(EQ(a, b), MUL(g, HALF), SELECT(GT(a, b), ZERO, g)), SELECT(EQ(a, b), MUL(g, HALF), SELECT(GT(b, a), ZERO, g)), APART, "the smaller; NaN wins; equal operands share the gradient") \
  F2(tg_atan2,       FLOATING,  NEED(AB, AB),     ATAN2(a, b), SELECT(EQ(ADD(MUL(a, a), MUL(b, b)), ZERO), ZERO, DIV(MUL(g, b), SELECT(EQ(ADD(MUL(a, a), MUL(b, b)), ZERO), ONE, ADD(MUL(a, a), MUL(b, b))))), NEG(SELECT(EQ(ADD(MUL(a, a), MUL(b, b)), ZERO), ZERO, DIV(MUL(g, a), SELECT(EQ(ADD(MUL(a, a), MUL(b, b)), ZERO), ONE, ADD(MUL(a, a), MUL(b, b)))))), NOT_AT_0, "angle of the point (b, a); derivative 0 at (0, 0)") \
  F2(tg_fmod,        NUMERIC,   NEED(NONE, AB),   FMOD(a, b), g,               NEG(MUL(g, TRUNC(DIV(a, b)))), NO_GRADIENT_TEST, "remainder with the sign of a") \
  F2(tg_remainder,   NUMERIC,   NEED(NONE, AB),   REMAINDER(a, b), g,          NEG(MUL(g, FLOOR(DIV(a, b)))), NO_GRADIENT_TEST, "remainder with the sign of b, as Python's %") \
  F2(tg_floor_divide, NUMERIC,  NEED(NONE, NONE), FLOORDIV(a, b), ZERO,        ZERO,                      NO_GRADIENT_TEST, "floor(a / b), as Python's //") \
  F2(tg_div_trunc,   NUMERIC,   NEED(NONE, NONE), TRUNC(DIV(a, b)), ZERO,      ZERO,                      NO_GRADIENT_TEST, "a / b rounded towards zero, as C's integer division") \
  F2(tg_eq,          PREDICATE, NEED(NONE, NONE), EQ(a, b),   ZERO,            ZERO,                      REAL,     "a == b") \
  F2(tg_ne,          PREDICATE, NEED(NONE, NONE), NE(a, b),   ZERO,            ZERO,                      REAL,     "a != b") \
  F2(tg_lt,          PREDICATE, NEED(NONE, NONE), LT(a, b),   ZERO,            ZERO,                      REAL,     "a < b") \
  F2(tg_le,          PREDICATE, NEED(NONE, NONE), LE(a, b),   ZERO,            ZERO,                      REAL,     "a <= b") \
  F2(tg_gt,          PREDICATE, NEED(NONE, NONE), GT(a, b),   ZERO,            ZERO,                      REAL,     "a > b") \
  F2(tg_ge,          PREDICATE, NEED(NONE, NONE), GE(a, b),   ZERO,            ZERO,                      REAL,     "a >= b") \
  F2(tg_logical_and, PREDICATE, NEED(NONE, NONE), AND(NE(a, ZERO), NE(b, ZERO)), ZERO, ZERO,              REAL,     "both are not zero") \
  F2(tg_logical_or,  PREDICATE, NEED(NONE, NONE), OR(NE(a, ZERO), NE(b, ZERO)),  ZERO, ZERO,              REAL,     "one or both are not zero") \
  F2(tg_logical_xor, PREDICATE, NEED(NONE, NONE), XOR(NE(a, ZERO), NE(b, ZERO)), ZERO, ZERO,              REAL,     "exactly one is not zero") \
  F2P(tg_add_scaled, N1(alpha), SAME, NEED(NONE, NONE), ADD(a, MUL(P0, b)), g,     MUL(g, P0),                REAL,     "a + alpha * b: torch.add with its alpha, whose default is 1") \
  F3(tg_where,       CHOOSE,    NEED3(NONE, A, A), SELECT(NE(a, ZERO), b, c), ZERO, SELECT(NE(a, ZERO), g, ZERO), SELECT(NE(a, ZERO), ZERO, g), REAL, "b where a is true, else c") \
  F3(tg_lerp,        FLOAT_ONLY, NEED3(C, C, AB), SELECT(LT(ABS(c), HALF), ADD(a, MUL(c, SUB(b, a))), SUB(b, MUL(SUB(b, a), SUB(ONE, c)))), MUL(g, SUB(ONE, c)), MUL(g, c), MUL(g, SUB(b, a)), REAL, "a + c * (b - a), counted from the nearer end") \
  F3P(tg_addcmul,    N1(value), NUMERIC,  NEED3(NONE, C, B), ADD(a, MUL(P0, MUL(b, c))), g, MUL(g, MUL(P0, c)), MUL(g, MUL(P0, b)), REAL, "a + value * b * c; torch's default is 1") \
  F3P(tg_addcdiv,    N1(value), FLOAT_ONLY, NEED3(NONE, C, BC), ADD(a, MUL(P0, DIV(b, c))), g, MUL(P0, DIV(g, c)), NEG(MUL(P0, DIV(MUL(DIV(g, c), b), c))), NOT_AT_0, "a + value * b / c; torch's default is 1")

#define TG__PARAMS_N1(n) , double n
#define TG__PARAMS_N2(n, m) , double n, double m
#define TG__F1(name, types, saves, value, dx, domain, doc)                  TG_API tg_tensor *name(tg_tensor *x); TG_API tg_tensor *name##_(tg_tensor *x);
#define TG__F1P(name, numbers, types, saves, value, dx, domain, doc)        TG_API tg_tensor *name(tg_tensor *x TG__PARAMS_##numbers); TG_API tg_tensor *name##_(tg_tensor *x TG__PARAMS_##numbers);
#define TG__F2(name, types, saves, value, da, db, domain, doc)              TG_API tg_tensor *name(tg_tensor *a, tg_tensor *b); TG_API tg_tensor *name##_(tg_tensor *a, tg_tensor *b); \
                                                                        TG_API tg_tensor *name##_scalar(tg_tensor *a, double number); TG_API tg_tensor *name##_scalar_(tg_tensor *a, double number);
#define TG__F2P(name, numbers, types, saves, value, da, db, domain, doc)    TG_API tg_tensor *name(tg_tensor *a, tg_tensor *b TG__PARAMS_##numbers); TG_API tg_tensor *name##_(tg_tensor *a, tg_tensor *b TG__PARAMS_##numbers);
#define TG__F3(name, types, saves, value, da, db, dc, domain, doc)          TG_API tg_tensor *name(tg_tensor *a, tg_tensor *b, tg_tensor *c); TG_API tg_tensor *name##_(tg_tensor *a, tg_tensor *b, tg_tensor *c);
#define TG__F3P(name, numbers, types, saves, value, da, db, dc, domain, doc) TG_API tg_tensor *name(tg_tensor *a, tg_tensor *b, tg_tensor *c TG__PARAMS_##numbers); TG_API tg_tensor *name##_(tg_tensor *a, tg_tensor *b, tg_tensor *c TG__PARAMS_##numbers);
TG_FORMULAS(TG__F1, TG__F1P, TG__F2, TG__F2P, TG__F3, TG__F3P)
#define TG__ROW_NUMBER(name, ...) TG_ROW_##name,
enum { TG_FORMULAS(TG__ROW_NUMBER, TG__ROW_NUMBER, TG__ROW_NUMBER, TG__ROW_NUMBER, TG__ROW_NUMBER, TG__ROW_NUMBER) TG_ROWS };
#undef TG__ROW_NUMBER
#undef TG__F1
#undef TG__F1P
#undef TG__F2
#undef TG__F2P
#undef TG__F3
#undef TG__F3P

/* ======================================================================================
   >>ops    one prototype for every other operation; [..., D, ...] shows the dimension that `dim` names
   ====================================================================================== */

/* Reduce. tg_name reduces everything to one number; tg_name_dims the dimensions that are listed, TG_DIMS(0, -1),
   or all where none are; tg_name_dim a single one. Negative dims count from the end; without keepdim the reduced
   dimensions go away. Indices are i64, and of equal values the first. */
TG_API tg_tensor *tg_sum(tg_tensor *x);                 /* of integers and bools: i64 */
TG_API tg_tensor *tg_sum_dims(tg_tensor *x, int n_dims, const int64_t *dims, bool keepdim);
TG_API tg_tensor *tg_mean(tg_tensor *x);                /* floating types only */
TG_API tg_tensor *tg_mean_dims(tg_tensor *x, int n_dims, const int64_t *dims, bool keepdim);
TG_API tg_tensor *tg_prod(tg_tensor *x);                /* of integers and bools: i64 */
TG_API tg_tensor *tg_prod_dim(tg_tensor *x, int64_t dim, bool keepdim);
TG_API tg_tensor *tg_amax(tg_tensor *x);                /* NaN wins; equal largest values share the gradient */
TG_API tg_tensor *tg_amax_dims(tg_tensor *x, int n_dims, const int64_t *dims, bool keepdim);
TG_API tg_tensor *tg_amin(tg_tensor *x);
TG_API tg_tensor *tg_amin_dims(tg_tensor *x, int n_dims, const int64_t *dims, bool keepdim);
TG_API tg_tensor *tg_max(tg_tensor *x);                 /* the same as tg_amax */
TG_API tg_tensor *tg_max_dim(tg_tensor *x, int64_t dim, bool keepdim, tg_tensor **indices);
    /* the values; *indices are their i64 places, the first of equal ones, which has the whole gradient. indices
       may be NULL */
TG_API tg_tensor *tg_min(tg_tensor *x);                 /* the same as tg_amin */
TG_API tg_tensor *tg_min_dim(tg_tensor *x, int64_t dim, bool keepdim, tg_tensor **indices);
TG_API tg_tensor *tg_argmax(tg_tensor *x);              /* i64 index into the flattened x */
TG_API tg_tensor *tg_argmax_dim(tg_tensor *x, int64_t dim, bool keepdim);
TG_API tg_tensor *tg_argmin(tg_tensor *x);
TG_API tg_tensor *tg_argmin_dim(tg_tensor *x, int64_t dim, bool keepdim);
TG_API tg_tensor *tg_any(tg_tensor *x);                 /* is any element not zero? bool; of u8: u8 */
TG_API tg_tensor *tg_any_dims(tg_tensor *x, int n_dims, const int64_t *dims, bool keepdim);
TG_API tg_tensor *tg_all(tg_tensor *x);
TG_API tg_tensor *tg_all_dims(tg_tensor *x, int n_dims, const int64_t *dims, bool keepdim);
TG_API tg_tensor *tg_var(tg_tensor *x, double correction);
    /* sum of squared deviations / (n - correction); torch's default for correction is 1 */
TG_API tg_tensor *tg_var_dims(tg_tensor *x, int n_dims, const int64_t *dims, double correction, bool keepdim);
TG_API tg_tensor *tg_std(tg_tensor *x, double correction);      /* the root of var; no gradient where that is 0 */
TG_API tg_tensor *tg_std_dims(tg_tensor *x, int n_dims, const int64_t *dims, double correction, bool keepdim);

/* Shape. */
TG_API tg_tensor *tg_cat(tg_tensor *const *list, int n, int64_t dim);
    /* shapes are equal but along dim; dtypes promote. In C a list may be written in place:
       tg_cat((tg_tensor *[]){a, b}, 2, 0) */
TG_API tg_tensor *tg_stack(tg_tensor *const *list, int n, int64_t dim);   /* along a new dimension */
TG_API int tg_split(tg_tensor *x, int64_t size, int64_t dim, tg_tensor **pieces, int room);
    /* [..., D, ...] -> views [..., size, ...], the last one shorter where size does not divide D. Returns how many:
       pieces[0], pieces[1], ...; 0 where it fails, as it does when there are more than `room`. What is left of
       `pieces` is NULL. */
TG_API int tg_split_sizes(tg_tensor *x, int n, const int64_t *sizes, int64_t dim, tg_tensor **pieces);
    /* n views of these sizes, which add up to D: torch's split_with_sizes. TG_DIMS(2, 3) writes n and sizes. Returns n,
       or 0 where it fails; then the n pieces are NULL. */
TG_API bool tg_meshgrid(tg_tensor *const *list, int n, bool xy, tg_tensor **grids);
    /* n tensors [A], [B], [C], ... of one dtype, [] counting as [1] -> n views [A, B, C, ...], each of which varies along
       its own dimension. xy: torch's indexing="xy", the first two dimensions change places. false: all n are NULL. */
TG_API tg_tensor *tg_flip(tg_tensor *x, int n_dims, const int64_t *dims);   /* a copy, back to front along each of dims */
TG_API tg_tensor *tg_rot90(tg_tensor *x, int k, int64_t dim0, int64_t dim1);
    /* a copy, turned k times by 90 degrees from dim0 towards dim1, the other way where k is negative; torch's defaults are
       1, 0, 1 */
TG_API tg_tensor *tg_trace(tg_tensor *x);               /* [M, N] -> [], the sum of the diagonal */

/* Sort and index. Indices are i64 or i32, in range, and never have a gradient. */
TG_API tg_tensor *tg_sort(tg_tensor *x, int64_t dim, bool descending, tg_tensor **indices);
    /* the values in order, equal ones as they stood; NaN is the largest. *indices are the i64 places they came from;
       indices may be NULL */
TG_API tg_tensor *tg_index_select(tg_tensor *x, int64_t dim, tg_tensor *index);
    /* [..., D, ...], [K] -> [..., K, ...] */
TG_API tg_tensor *tg_index_add(tg_tensor *x, int64_t dim, tg_tensor *index, tg_tensor *src);
    /* x, with src's slice k added to its slice index[k]; repeated indices add up */
TG_API tg_tensor *tg_gather(tg_tensor *x, int64_t dim, tg_tensor *index);
    /* of index's shape; for dim 0 out[i][j] = x[index[i][j]][j] */
TG_API tg_tensor *tg_scatter(tg_tensor *x, int64_t dim, tg_tensor *index, tg_tensor *src);
    /* x, but for dim 0 out[index[i][j]][j] = src[i][j]; of repeated indices the last wins */
TG_API tg_tensor *tg_scatter_add(tg_tensor *x, int64_t dim, tg_tensor *index, tg_tensor *src);   /* the same, adding */
TG_API tg_tensor *tg_one_hot(tg_tensor *index, int64_t classes);   /* [...] -> [..., classes], i64 */

/* Matrix. */
TG_API tg_tensor *tg_matmul(tg_tensor *a, tg_tensor *b);
    /* [..., M, K] x [..., K, N] -> [..., M, N]; vectors as torch; batches broadcast */
TG_API tg_tensor *tg_linear(tg_tensor *x, tg_tensor *weight, tg_tensor *bias);
    /* x times weight transposed, plus bias: [..., I], [O, I], [O] -> [..., O]; bias may be NULL */

/* Convolution. x [N, C, H, W] or [C, H, W], weight [O, C/groups, KH, KW], bias [O] or NULL -> [N, O, OH, OW],
   OH = (H + 2 padding - dilation (KH - 1) - 1) / stride + 1. What lies outside of x is zeros that are multiplied, as
   in torch: an infinite weight makes NaN of them. So is what lies outside of the result in the gradient by x; there
   torch leaves out what it can, and may give a number where NaN stands here. */
typedef struct tg_conv2d_args {
    tg_place at TG_EMPTY;
    tg_tensor *x TG_EMPTY, *weight TG_EMPTY, *bias TG_EMPTY;
    int64_t dilation[2] TG_EMPTY;      /* zero: 1 */
    int64_t groups TG_EMPTY;           /* zero: 1 */
    int64_t padding[2] TG_EMPTY;
    int64_t stride[2] TG_EMPTY;        /* zero: 1 */
} tg_conv2d_args;
TG_API tg_tensor *tg_conv2d_from(const tg_conv2d_args *args);
#define tg_conv2d(x_, weight_, ...) TG__OPTIONS3(tg_conv2d, x, x_, weight, weight_, bias, __VA_ARGS__)

/* Normalise, losses, random. */
TG_API tg_tensor *tg_softmax(tg_tensor *x, int64_t dim);          /* exp(x) / sum(exp(x)) along dim */
TG_API tg_tensor *tg_log_softmax(tg_tensor *x, int64_t dim);
TG_API tg_tensor *tg_mse_loss(tg_tensor *x, tg_tensor *target);
    /* mean of (x - target)^2; other shapes broadcast, and the log warns of it once */
TG_API tg_tensor *tg_cross_entropy(tg_tensor *logits, tg_tensor *target);
    /* logits [N, C], target [N] of classes, i64 or i32 -> []: the mean of -log_softmax at the row's class. Rows of
       class -100, torch's ignore_index, do not count; NaN where no row counts */
TG_API tg_tensor *tg_dropout(tg_tensor *x, double p, bool training);
    /* each element is zero with probability p, else scaled by 1 / (1 - p); x itself where not training */

/* ---- operations of your own: fill a record, call tg_call. ----
   `check` reads shapes, dtypes and attributes, never values, and makes the outputs; `forward` fills them;
   `backward` gives dx[i] for each input that tg_node_wants, in tg calls (then it can be differentiated again).
   The record and its texts must outlive the context. */

/* An attribute: where it stands in the op's struct, for printing ("sum dims=[1] keepdim"), saving and comparing.
   A list (TG_ATTR_INTS) has `room` places; how many of them count is said by the int64_t at `length`, or it is
   all of them where length is TG_ATTR_ALL. */
typedef enum tg_attr_type { TG_ATTR_INT, TG_ATTR_FLOAT, TG_ATTR_BOOL, TG_ATTR_DTYPE, TG_ATTR_INTS } tg_attr_type;
typedef struct tg_attr { const char *name; tg_attr_type type; size_t offset; int room; size_t length; } tg_attr;
#define TG_ATTR_ALL ((size_t)-1)

#define TG_OP_MAP       1u       /* elementwise                                                 */
#define TG_OP_VIEW      2u       /* outputs share the first input's storage                     */
#define TG_OP_INPLACE   4u       /* writes its first input                                      */
#define TG_OP_RANDOM    8u       /* consumes a call number                                      */
#define TG_OP_HOST_READ 16u      /* the host reads values to run it: a device is waited for     */
#define TG_OP_NO_GRAD   32u      /* the outputs are never differentiable (indices, predicates)  */
#define TG_OP_OPAQUE    64u      /* takes block-quantised operands too                          */

#define TG_SAVE_IN(i)  (1u << (i))            /* i < 15 */
#define TG_SAVE_INS    (1u << 15)             /* every input */
#define TG_SAVE_OUT(i) (1u << (16 + (i)))
#define TG_OP_SAVES 4
#define TG_LIST (-1)                          /* instead of a number of inputs or outputs: any number */

typedef struct tg_op {
    const char *name; int version;   /* in files and messages; never renamed */
    int n_in, n_in_opt, n_out;       /* inputs that must be there, further ones that may be NULL, outputs */
    unsigned flags;                  /* TG_OP_... */
    int kind;                        /* yours: tells ops that share functions apart, amax from amin */
    /* what the derivative of input i reads: TG_SAVE_IN(j) | TG_SAVE_OUT(j); the last entry serves all further
       inputs */
    unsigned saves[TG_OP_SAVES];
    const tg_attr *attrs; int n_attrs;
    size_t attr_size;
    bool (*check)(tg_ctx *tg, tg__node *n);
    bool (*forward)(tg_ctx *tg, tg__node *n);
    /* false: failed; NULL g[i]: zero; NULL dx[i]: no gradient */
    bool (*backward)(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx);
    /* NULL, or the rule for tg_vmap: operands whose bit is set in `mapped` have a leading dimension more than the
       call meant, all of one size; fills out[] so that all results have it too */
    bool (*vmap)(tg_ctx *tg, const struct tg_op *op, const void *attr, tg_tensor *const *in, int n_in, unsigned mapped, tg_tensor **out);
} tg_op;

TG_API tg_tensor  *tg_call(const tg_op *op, const void *attr,
    tg_tensor *const *inputs, int n_inputs, tg_tensor **outputs);   /* returns output 0; outputs may be NULL */
TG_API tg_tensor  *tg_node_in(tg__node *n, int i);    /* in backward: NULL unless saved */
TG_API tg_tensor  *tg_node_out(tg__node *n, int i);   /* in backward: NULL unless saved */
TG_API const void *tg_node_attr(tg__node *n);
TG_API uint64_t    tg_node_call(tg__node *n);
    /* of a TG_OP_RANDOM op: this call's number, its own under the context's seed */
TG_API bool        tg_node_wants(tg__node *n, int i);
TG_API bool        tg_node_make(tg__node *n, int i, tg_dtype dtype, int ndim, const int64_t *shape);
    /* in check: makes output i */
TG_API bool        tg_node_fail(tg__node *n, tg_error_code code, const char *text);
    /* records an error, returns false */

/* ======================================================================================
   >>device    devices other than the CPU: what a family of kernels is asked, and who answers
   ====================================================================================== */

/* All operations stand on a few families of kernels. A family is asked by a request of plain data: what is to be
   computed, and how each operand lies in its storage. It holds no address: the bases of the storages come beside
   it, one per operand, so that a request can be kept, sent elsewhere and bound to other memory. The operands:

     MAP      y, then the formula's operands: y = the value of row `kind` of TG_FORMULAS (TG_ROW_tg_add, ...). With
              `part` i > 0 the derivative by operand i - 1: y, g, the formula's operands, its result; those that the
              derivative does not read are absent. All have y's shape, with stride 0 where they are broadcast.
              Computed in `compute` (f32, f64 or i64). number: P0, P1.
     COPY     y, x of y's shape; converted by way of `compute`. TG_COPY_BLOCKS: one of the two is block-quantised, both
              are [n] and packed
     FILL     y. TG_FILL_VALUE: the element whose bytes stand in whole[0]. TG_FILL_RAMP, y has one dimension:
              number[0] + i * number[1] for floats, whole[0] + i * whole[1] for integers
     RANDOM   y; TG_RANDOM_BERNOULLI also p of y's shape, an error unless in 0..1. whole: key, call, low, range;
              number: a, b. Element i in row-major order is made of Philox words as told in >>impl-create.
     REDUCE   y, places, x, all with x's dimensions; those of the mask whole[0] have size 1 in y and places. Each
              element of y is the sum (product, largest, smallest: `kind`) times number[0]; places are the first
              positions of the largest, counted in row-major order over the masked dimensions. One of y and places
              may be absent.
     SOFTMAX  y, x; along dimension whole[0]; kind 1: the logarithm
     SORT     values, places, x; along dimension whole[0], stable; kind 1: descending
     INDEX    y, x, index (i64, an error where it is out of range). TG_INDEX_TAKE: y[.., k, ..] = x[.., v, ..], v the
              index at [.., k, ..], for each position of y's shape. TG_INDEX_PUT, TG_INDEX_ADD: y[.., v, ..] = (+=)
              x[.., k, ..], for each position of x's shape, in order of k. k runs along dimension whole[0].
     GEMM     c [batch.., m, n], a [batch.., m, k], b [batch.., k, n], bias [batch.., m, n] or absent: c = a b + bias,
              and with kind 1 what c held is added
     CONV     kind TG_CONV_RESULT: y, x, weight, bias [O] or absent; TG_CONV_BY_DATA: x's gradient, weight, y's
              gradient; TG_CONV_BY_WEIGHT: weight's gradient, x, y's gradient. x and y are [N, C, H, W]. whole: stride,
              padding and dilation (two each), groups.
     ENTROPY  kind 0: losses [N], rows [N, 2], x [N, C], classes [N]; kind 1: x's gradient, rows, x, classes, g [N].
              A row keeps its largest x and the sum of exp(x - largest). An error where a class is out of range
              unless it is -100, which makes loss and gradient 0. */
typedef enum tg_family {
    TG_FAMILY_MAP = 1, TG_FAMILY_COPY, TG_FAMILY_FILL, TG_FAMILY_RANDOM, TG_FAMILY_REDUCE, TG_FAMILY_SOFTMAX,
    TG_FAMILY_SORT, TG_FAMILY_INDEX, TG_FAMILY_GEMM, TG_FAMILY_CONV, TG_FAMILY_ENTROPY, TG_FAMILIES
} tg_family;
enum { TG_COPY_ELEMENTS, TG_COPY_BLOCKS };
enum { TG_FILL_VALUE, TG_FILL_RAMP };
enum { TG_RANDOM_UNIFORM, TG_RANDOM_NORMAL, TG_RANDOM_KEEP, TG_RANDOM_INTEGER, TG_RANDOM_BERNOULLI };
enum { TG_REDUCE_SUM, TG_REDUCE_PROD, TG_REDUCE_MAX, TG_REDUCE_MIN };
enum { TG_INDEX_TAKE, TG_INDEX_PUT, TG_INDEX_ADD };
enum { TG_CONV_RESULT, TG_CONV_BY_DATA, TG_CONV_BY_WEIGHT };

#define TG_ABSENT 0u
#define TG_READ   1u
#define TG_WRITE  2u             /* with TG_READ: what stood there matters */
typedef struct tg_operand {
    uint32_t use;                /* TG_READ, TG_WRITE, both, or TG_ABSENT                              */
    bool     immediate;          /* no storage: one element, the first bytes of `bits`                 */
    tg_dtype dtype;
    int32_t  ndim;
    int64_t  offset;             /* bytes from its storage's base to the first element                 */
    int64_t  bits;
    int64_t  shape[TG_MAX_DIMS];
    int64_t  stride[TG_MAX_DIMS];
} tg_operand;

typedef struct tg_request {
    tg_family family;
    int32_t   kind, part;
    int32_t   n;                 /* operands; those that are written come first                        */
    tg_dtype  compute;
    double    number[4];
    int64_t   whole[12];
} tg_request;

typedef enum tg_launch { TG_LAUNCH_DONE = 0, TG_LAUNCH_DECLINED, TG_LAUNCH_FAILED } tg_launch;

/* A device: memory, copies, families. A context has one stream on it. `launch` may return before the work is
   done, but the stream keeps the order of calls; `copy` to the host waits. A launch that declines (a family, a
   dtype, a value that is an error: the CPU then words it) is done by the library on host copies of the storages,
   and the log says so once per family. Hooks may not call the context. */
typedef struct tg_backend {
    const char *name;
    void   *user;
    void *(*open)(void *user, tg_ctx *tg);                      /* the context's stream; NULL function: none       */
    void  (*close)(void *user, void *stream);
    void *(*alloc)(void *user, void *stream, size_t size);      /* NULL: no memory                                 */
    void  (*release)(void *user, void *stream, void *p, size_t size);
    bool  (*copy_in)(void *user, void *stream, void *to, const void *from_host, size_t size);
    bool  (*copy_out)(void *user, void *stream, void *to_host, const void *from, size_t size);
    tg_launch (*launch)(void *user, void *stream, const tg_request *r, const tg_operand *o, void *const *base);
} tg_backend;

/* Makes `device` (TG_CUDA, or 2 and 3 for a host's own) usable in this context. The struct is copied, its user must
   outlive the context. A device is registered once per context. */
TG_API bool tg_device_register(tg_ctx *tg, tg_device device, const tg_backend *backend);

/* t on `device`, packed in row-major order; t itself when it is there. Differentiable: the gradient comes back. */
TG_API tg_tensor *tg_to_device(tg_tensor *t, tg_device device);

/* ======================================================================================
   >>io    files in and out: safetensors, npy
   ====================================================================================== */

/* An ordered set of named tensors with text metadata; what a weights file is in memory. *Owned*: free it with
   tg_dict_free. The dict keeps its tensors, so that they outlive their scope. Names and metadata are UTF-8
   and copied; the dict keeps the order in which names first came. */
typedef struct tg_dict tg_dict;
TG_API tg_dict    *tg_dict_new(tg_ctx *tg);
TG_API void        tg_dict_free(tg_dict *d);                          /* before tg_close; NULL is fine               */
TG_API bool        tg_dict_set(tg_dict *d, const char *name, tg_tensor *t);   /* replaces a tensor of that name */
TG_API tg_tensor  *tg_dict_get(const tg_dict *d, const char *name);   /* borrowed; NULL without an error if absent   */
TG_API int64_t     tg_dict_count(const tg_dict *d);
TG_API const char *tg_dict_name(const tg_dict *d, int64_t i);         /* borrowed                                    */
TG_API tg_tensor  *tg_dict_at(const tg_dict *d, int64_t i);           /* borrowed                                    */
TG_API bool        tg_dict_set_meta(tg_dict *d, const char *key, const char *value);
TG_API const char *tg_dict_meta(const tg_dict *d, const char *key);   /* NULL if absent; valid until it is set again */
TG_API int64_t     tg_dict_meta_count(const tg_dict *d);
TG_API const char *tg_dict_meta_key(const tg_dict *d, int64_t i);     /* borrowed                                    */

/* Element types of files that tg_dtype lacks. U16 comes as i32, U32 as i64, U64 as i64 if all its values fit,
   and complex C64 as f32 with a last dimension of 2. The rest come raw, with the file's bytes as u8, and are
   written back as what they were: F8_E4M3, F8_E5M2, F8_E8M0 and the FNUZ kinds in their own shape; a U64 with
   values that do not fit with a last dimension of 8 (each 8 a uint64_t); F4 and F6 packed, [bytes]. */
TG_API const char *tg_dict_raw_type(const tg_dict *d, int64_t i);   /* "F8_E4M3", ...; NULL: an ordinary tensor */
TG_API int         tg_dict_raw_shape(const tg_dict *d, int64_t i, const int64_t **shape);
    /* returns the number of dimensions that the file declares, and gives their sizes */
TG_API bool        tg_dict_set_raw(tg_dict *d, const char *name, const char *type,
    int ndim, const int64_t *shape, tg_tensor *bytes);   /* bytes: u8 */
TG_API tg_tensor  *tg_dict_f32(const tg_dict *d, int64_t i);   /* converted: ordinary tensors, U64, F8 of every kind */

/* safetensors. _parse reads from memory (which it does not keep), _load from a file through the file hook. A
   malformed file is TG_ERROR_FORMAT that says what and where; nothing of it remains. Written files hold the
   names in the dict's order and wider elements first, so that every tensor is aligned for readers that map
   the file. */
TG_API tg_dict *tg_safetensors_parse(tg_ctx *tg, const void *bytes, size_t size);
TG_API tg_dict *tg_safetensors_load(tg_ctx *tg, const char *path);
TG_API tg_tensor *tg_safetensors_bytes(const tg_dict *d);   /* the whole file as u8 [size] */
TG_API bool     tg_safetensors_save(const tg_dict *d, const char *path);

/* NumPy's .npy: any order, either byte order, versions 1 to 3. uint16 becomes i32, uint32 i64, uint64 i64 if
   all its values fit, else u8 with a last dimension of 8; complex numbers become a last dimension of 2. Bytes
   behind the array are ignored, as NumPy does. bf16 cannot be written. */
TG_API tg_tensor *tg_npy_parse(tg_ctx *tg, const void *bytes, size_t size);
TG_API tg_tensor *tg_npy_load(tg_ctx *tg, const char *path);
TG_API tg_tensor *tg_npy_bytes(tg_tensor *t);   /* the whole file as u8 [size] */
TG_API bool       tg_npy_save(tg_tensor *t, const char *path);

/* ======================================================================================
   >>places    the caller's file and line
   ====================================================================================== */

/* Every function that can fail is also a macro of its own name, which notes where it was called: for messages
   and for the tape. The place is noted through every operand that is there, so that a NULL among them, the
   commonest mistake, is reported with its line; no argument is evaluated twice. A macro does not expand inside
   itself, and &tg_add is still the function. TENSORGRAD_NO_LINES leaves all this out.
   tools/places.c writes the list from the prototypes and the formula rows; `sh tests/run.sh places` compares. */
struct tg__ctx_head { const char *file; int line; };      /* how a context begins */
struct tg__dict_head { tg_ctx *tg; };                     /* how a dict begins    */
static inline tg_ctx *tg__at_ctx(tg_ctx *tg, const char *file, int line) {
    if (tg) { struct tg__ctx_head *here = (struct tg__ctx_head *)(void *)tg; here->file = file; here->line = line; }
    return tg;
}
static inline tg_tensor *tg__at(tg_tensor *t, const char *file, int line) {
    if (t) (void)tg__at_ctx(t->tg, file, line);
    return t;
}
static inline const tg_dict *tg__at_const_dict(const tg_dict *d, const char *file, int line) {
    if (d) (void)tg__at_ctx(((const struct tg__dict_head *)(const void *)d)->tg, file, line);
    return d;
}
static inline tg_dict *tg__at_dict(tg_dict *d, const char *file, int line) {
    (void)tg__at_const_dict(d, file, line);
    return d;
}
static inline tg_tensor *const *tg__at_list(tg_tensor *const *list, int n, const char *file, int line) {
    int i;
    for (i = 0; list && i < n; i++) if (list[i]) { (void)tg__at(list[i], file, line); break; }
    return list;
}
static inline const tg_function_call *tg__at_call(const tg_function_call *call, const char *file, int line) {
    if (call) (void)tg__at_list(call->inputs, call->n_inputs, file, line);
    return call;
}

#ifdef __cplusplus
} /* extern "C" */
#endif

#ifndef TENSORGRAD_NO_LINES
#define TG__AT(t) tg__at(t, __FILE__, __LINE__)
#define TG__AT_CTX(tg) tg__at_ctx(tg, __FILE__, __LINE__)
#define TG__AT_DICT(d) tg__at_dict(d, __FILE__, __LINE__)
#define TG__AT_CONST_DICT(d) tg__at_const_dict(d, __FILE__, __LINE__)
#define TG__PLACED(name, ...) tg__##name##_at(__FILE__, __LINE__, __VA_ARGS__)
/* ---- the list: written by tools/places.c ---- */
/* formula rows */
#define tg_neg(x) tg_neg(TG__AT(x))
#define tg_neg_(x) tg_neg_(TG__AT(x))
#define tg_abs(x) tg_abs(TG__AT(x))
#define tg_abs_(x) tg_abs_(TG__AT(x))
#define tg_sign(x) tg_sign(TG__AT(x))
#define tg_sign_(x) tg_sign_(TG__AT(x))
#define tg_square(x) tg_square(TG__AT(x))
#define tg_square_(x) tg_square_(TG__AT(x))
#define tg_sqrt(x) tg_sqrt(TG__AT(x))
#define tg_sqrt_(x) tg_sqrt_(TG__AT(x))
#define tg_rsqrt(x) tg_rsqrt(TG__AT(x))
#define tg_rsqrt_(x) tg_rsqrt_(TG__AT(x))
#define tg_reciprocal(x) tg_reciprocal(TG__AT(x))
#define tg_reciprocal_(x) tg_reciprocal_(TG__AT(x))
#define tg_exp(x) tg_exp(TG__AT(x))
#define tg_exp_(x) tg_exp_(TG__AT(x))
#define tg_exp2(x) tg_exp2(TG__AT(x))
#define tg_exp2_(x) tg_exp2_(TG__AT(x))
#define tg_expm1(x) tg_expm1(TG__AT(x))
#define tg_expm1_(x) tg_expm1_(TG__AT(x))
#define tg_log(x) tg_log(TG__AT(x))
#define tg_log_(x) tg_log_(TG__AT(x))
#define tg_log2(x) tg_log2(TG__AT(x))
#define tg_log2_(x) tg_log2_(TG__AT(x))
#define tg_log10(x) tg_log10(TG__AT(x))
#define tg_log10_(x) tg_log10_(TG__AT(x))
#define tg_log1p(x) tg_log1p(TG__AT(x))
#define tg_log1p_(x) tg_log1p_(TG__AT(x))
#define tg_sin(x) tg_sin(TG__AT(x))
#define tg_sin_(x) tg_sin_(TG__AT(x))
#define tg_cos(x) tg_cos(TG__AT(x))
#define tg_cos_(x) tg_cos_(TG__AT(x))
#define tg_tan(x) tg_tan(TG__AT(x))
#define tg_tan_(x) tg_tan_(TG__AT(x))
#define tg_asin(x) tg_asin(TG__AT(x))
#define tg_asin_(x) tg_asin_(TG__AT(x))
#define tg_acos(x) tg_acos(TG__AT(x))
#define tg_acos_(x) tg_acos_(TG__AT(x))
#define tg_atan(x) tg_atan(TG__AT(x))
#define tg_atan_(x) tg_atan_(TG__AT(x))
#define tg_sinh(x) tg_sinh(TG__AT(x))
#define tg_sinh_(x) tg_sinh_(TG__AT(x))
#define tg_cosh(x) tg_cosh(TG__AT(x))
#define tg_cosh_(x) tg_cosh_(TG__AT(x))
#define tg_tanh(x) tg_tanh(TG__AT(x))
#define tg_tanh_(x) tg_tanh_(TG__AT(x))
#define tg_asinh(x) tg_asinh(TG__AT(x))
#define tg_asinh_(x) tg_asinh_(TG__AT(x))
#define tg_acosh(x) tg_acosh(TG__AT(x))
#define tg_acosh_(x) tg_acosh_(TG__AT(x))
#define tg_atanh(x) tg_atanh(TG__AT(x))
#define tg_atanh_(x) tg_atanh_(TG__AT(x))
#define tg_erf(x) tg_erf(TG__AT(x))
#define tg_erf_(x) tg_erf_(TG__AT(x))
#define tg_erfc(x) tg_erfc(TG__AT(x))
#define tg_erfc_(x) tg_erfc_(TG__AT(x))
#define tg_ndtr(x) tg_ndtr(TG__AT(x))
#define tg_ndtr_(x) tg_ndtr_(TG__AT(x))
#define tg_sigmoid(x) tg_sigmoid(TG__AT(x))
#define tg_sigmoid_(x) tg_sigmoid_(TG__AT(x))
#define tg_logsigmoid(x) tg_logsigmoid(TG__AT(x))
#define tg_logsigmoid_(x) tg_logsigmoid_(TG__AT(x))
#define tg_relu(x) tg_relu(TG__AT(x))
#define tg_relu_(x) tg_relu_(TG__AT(x))
#define tg_gelu(x) tg_gelu(TG__AT(x))
#define tg_gelu_(x) tg_gelu_(TG__AT(x))
#define tg_gelu_tanh(x) tg_gelu_tanh(TG__AT(x))
#define tg_gelu_tanh_(x) tg_gelu_tanh_(TG__AT(x))
#define tg_silu(x) tg_silu(TG__AT(x))
#define tg_silu_(x) tg_silu_(TG__AT(x))
#define tg_mish(x) tg_mish(TG__AT(x))
#define tg_mish_(x) tg_mish_(TG__AT(x))
#define tg_floor(x) tg_floor(TG__AT(x))
#define tg_floor_(x) tg_floor_(TG__AT(x))
#define tg_ceil(x) tg_ceil(TG__AT(x))
#define tg_ceil_(x) tg_ceil_(TG__AT(x))
#define tg_round(x) tg_round(TG__AT(x))
#define tg_round_(x) tg_round_(TG__AT(x))
#define tg_trunc(x) tg_trunc(TG__AT(x))
#define tg_trunc_(x) tg_trunc_(TG__AT(x))
#define tg_frac(x) tg_frac(TG__AT(x))
#define tg_frac_(x) tg_frac_(TG__AT(x))
#define tg_isnan(x) tg_isnan(TG__AT(x))
#define tg_isnan_(x) tg_isnan_(TG__AT(x))
#define tg_isinf(x) tg_isinf(TG__AT(x))
#define tg_isinf_(x) tg_isinf_(TG__AT(x))
#define tg_isfinite(x) tg_isfinite(TG__AT(x))
#define tg_isfinite_(x) tg_isfinite_(TG__AT(x))
#define tg_logical_not(x) tg_logical_not(TG__AT(x))
#define tg_logical_not_(x) tg_logical_not_(TG__AT(x))
#define tg_leaky_relu(x, negative_slope) tg_leaky_relu(TG__AT(x), negative_slope)
#define tg_leaky_relu_(x, negative_slope) tg_leaky_relu_(TG__AT(x), negative_slope)
#define tg_elu(x, alpha) tg_elu(TG__AT(x), alpha)
#define tg_elu_(x, alpha) tg_elu_(TG__AT(x), alpha)
#define tg_softplus(x, beta, threshold) tg_softplus(TG__AT(x), beta, threshold)
#define tg_softplus_(x, beta, threshold) tg_softplus_(TG__AT(x), beta, threshold)
#define tg_hardtanh(x, min_val, max_val) tg_hardtanh(TG__AT(x), min_val, max_val)
#define tg_hardtanh_(x, min_val, max_val) tg_hardtanh_(TG__AT(x), min_val, max_val)
#define tg_clamp(x, low, high) tg_clamp(TG__AT(x), low, high)
#define tg_clamp_(x, low, high) tg_clamp_(TG__AT(x), low, high)
#define tg_add(a, b) tg_add(TG__AT(a), TG__AT(b))
#define tg_add_(a, b) tg_add_(TG__AT(a), TG__AT(b))
#define tg_add_scalar(a, number) tg_add_scalar(TG__AT(a), number)
#define tg_add_scalar_(a, number) tg_add_scalar_(TG__AT(a), number)
#define tg_sub(a, b) tg_sub(TG__AT(a), TG__AT(b))
#define tg_sub_(a, b) tg_sub_(TG__AT(a), TG__AT(b))
#define tg_sub_scalar(a, number) tg_sub_scalar(TG__AT(a), number)
#define tg_sub_scalar_(a, number) tg_sub_scalar_(TG__AT(a), number)
#define tg_mul(a, b) tg_mul(TG__AT(a), TG__AT(b))
#define tg_mul_(a, b) tg_mul_(TG__AT(a), TG__AT(b))
#define tg_mul_scalar(a, number) tg_mul_scalar(TG__AT(a), number)
#define tg_mul_scalar_(a, number) tg_mul_scalar_(TG__AT(a), number)
#define tg_div(a, b) tg_div(TG__AT(a), TG__AT(b))
#define tg_div_(a, b) tg_div_(TG__AT(a), TG__AT(b))
#define tg_div_scalar(a, number) tg_div_scalar(TG__AT(a), number)
#define tg_div_scalar_(a, number) tg_div_scalar_(TG__AT(a), number)
#define tg_pow(a, b) tg_pow(TG__AT(a), TG__AT(b))
#define tg_pow_(a, b) tg_pow_(TG__AT(a), TG__AT(b))
#define tg_pow_scalar(a, number) tg_pow_scalar(TG__AT(a), number)
#define tg_pow_scalar_(a, number) tg_pow_scalar_(TG__AT(a), number)
#define tg_maximum(a, b) tg_maximum(TG__AT(a), TG__AT(b))
#define tg_maximum_(a, b) tg_maximum_(TG__AT(a), TG__AT(b))
#define tg_maximum_scalar(a, number) tg_maximum_scalar(TG__AT(a), number)
#define tg_maximum_scalar_(a, number) tg_maximum_scalar_(TG__AT(a), number)
#define tg_minimum(a, b) tg_minimum(TG__AT(a), TG__AT(b))
#define tg_minimum_(a, b) tg_minimum_(TG__AT(a), TG__AT(b))
#define tg_minimum_scalar(a, number) tg_minimum_scalar(TG__AT(a), number)
#define tg_minimum_scalar_(a, number) tg_minimum_scalar_(TG__AT(a), number)
#define tg_atan2(a, b) tg_atan2(TG__AT(a), TG__AT(b))
#define tg_atan2_(a, b) tg_atan2_(TG__AT(a), TG__AT(b))
#define tg_atan2_scalar(a, number) tg_atan2_scalar(TG__AT(a), number)
#define tg_atan2_scalar_(a, number) tg_atan2_scalar_(TG__AT(a), number)
#define tg_fmod(a, b) tg_fmod(TG__AT(a), TG__AT(b))
#define tg_fmod_(a, b) tg_fmod_(TG__AT(a), TG__AT(b))
#define tg_fmod_scalar(a, number) tg_fmod_scalar(TG__AT(a), number)
#define tg_fmod_scalar_(a, number) tg_fmod_scalar_(TG__AT(a), number)
#define tg_remainder(a, b) tg_remainder(TG__AT(a), TG__AT(b))
#define tg_remainder_(a, b) tg_remainder_(TG__AT(a), TG__AT(b))
#define tg_remainder_scalar(a, number) tg_remainder_scalar(TG__AT(a), number)
#define tg_remainder_scalar_(a, number) tg_remainder_scalar_(TG__AT(a), number)
#define tg_floor_divide(a, b) tg_floor_divide(TG__AT(a), TG__AT(b))
#define tg_floor_divide_(a, b) tg_floor_divide_(TG__AT(a), TG__AT(b))
#define tg_floor_divide_scalar(a, number) tg_floor_divide_scalar(TG__AT(a), number)
#define tg_floor_divide_scalar_(a, number) tg_floor_divide_scalar_(TG__AT(a), number)
#define tg_div_trunc(a, b) tg_div_trunc(TG__AT(a), TG__AT(b))
#define tg_div_trunc_(a, b) tg_div_trunc_(TG__AT(a), TG__AT(b))
#define tg_div_trunc_scalar(a, number) tg_div_trunc_scalar(TG__AT(a), number)
#define tg_div_trunc_scalar_(a, number) tg_div_trunc_scalar_(TG__AT(a), number)
#define tg_eq(a, b) tg_eq(TG__AT(a), TG__AT(b))
#define tg_eq_(a, b) tg_eq_(TG__AT(a), TG__AT(b))
#define tg_eq_scalar(a, number) tg_eq_scalar(TG__AT(a), number)
#define tg_eq_scalar_(a, number) tg_eq_scalar_(TG__AT(a), number)
#define tg_ne(a, b) tg_ne(TG__AT(a), TG__AT(b))
#define tg_ne_(a, b) tg_ne_(TG__AT(a), TG__AT(b))
#define tg_ne_scalar(a, number) tg_ne_scalar(TG__AT(a), number)
#define tg_ne_scalar_(a, number) tg_ne_scalar_(TG__AT(a), number)
#define tg_lt(a, b) tg_lt(TG__AT(a), TG__AT(b))
#define tg_lt_(a, b) tg_lt_(TG__AT(a), TG__AT(b))
#define tg_lt_scalar(a, number) tg_lt_scalar(TG__AT(a), number)
#define tg_lt_scalar_(a, number) tg_lt_scalar_(TG__AT(a), number)
#define tg_le(a, b) tg_le(TG__AT(a), TG__AT(b))
#define tg_le_(a, b) tg_le_(TG__AT(a), TG__AT(b))
#define tg_le_scalar(a, number) tg_le_scalar(TG__AT(a), number)
#define tg_le_scalar_(a, number) tg_le_scalar_(TG__AT(a), number)
#define tg_gt(a, b) tg_gt(TG__AT(a), TG__AT(b))
#define tg_gt_(a, b) tg_gt_(TG__AT(a), TG__AT(b))
#define tg_gt_scalar(a, number) tg_gt_scalar(TG__AT(a), number)
#define tg_gt_scalar_(a, number) tg_gt_scalar_(TG__AT(a), number)
#define tg_ge(a, b) tg_ge(TG__AT(a), TG__AT(b))
#define tg_ge_(a, b) tg_ge_(TG__AT(a), TG__AT(b))
#define tg_ge_scalar(a, number) tg_ge_scalar(TG__AT(a), number)
#define tg_ge_scalar_(a, number) tg_ge_scalar_(TG__AT(a), number)
#define tg_logical_and(a, b) tg_logical_and(TG__AT(a), TG__AT(b))
#define tg_logical_and_(a, b) tg_logical_and_(TG__AT(a), TG__AT(b))
#define tg_logical_and_scalar(a, number) tg_logical_and_scalar(TG__AT(a), number)
#define tg_logical_and_scalar_(a, number) tg_logical_and_scalar_(TG__AT(a), number)
#define tg_logical_or(a, b) tg_logical_or(TG__AT(a), TG__AT(b))
#define tg_logical_or_(a, b) tg_logical_or_(TG__AT(a), TG__AT(b))
#define tg_logical_or_scalar(a, number) tg_logical_or_scalar(TG__AT(a), number)
#define tg_logical_or_scalar_(a, number) tg_logical_or_scalar_(TG__AT(a), number)
#define tg_logical_xor(a, b) tg_logical_xor(TG__AT(a), TG__AT(b))
#define tg_logical_xor_(a, b) tg_logical_xor_(TG__AT(a), TG__AT(b))
#define tg_logical_xor_scalar(a, number) tg_logical_xor_scalar(TG__AT(a), number)
#define tg_logical_xor_scalar_(a, number) tg_logical_xor_scalar_(TG__AT(a), number)
#define tg_add_scaled(a, b, alpha) tg_add_scaled(TG__AT(a), TG__AT(b), alpha)
#define tg_add_scaled_(a, b, alpha) tg_add_scaled_(TG__AT(a), TG__AT(b), alpha)
#define tg_where(a, b, c) tg_where(TG__AT(a), TG__AT(b), TG__AT(c))
#define tg_where_(a, b, c) tg_where_(TG__AT(a), TG__AT(b), TG__AT(c))
#define tg_lerp(a, b, c) tg_lerp(TG__AT(a), TG__AT(b), TG__AT(c))
#define tg_lerp_(a, b, c) tg_lerp_(TG__AT(a), TG__AT(b), TG__AT(c))
#define tg_addcmul(a, b, c, value) tg_addcmul(TG__AT(a), TG__AT(b), TG__AT(c), value)
#define tg_addcmul_(a, b, c, value) tg_addcmul_(TG__AT(a), TG__AT(b), TG__AT(c), value)
#define tg_addcdiv(a, b, c, value) tg_addcdiv(TG__AT(a), TG__AT(b), TG__AT(c), value)
#define tg_addcdiv_(a, b, c, value) tg_addcdiv_(TG__AT(a), TG__AT(b), TG__AT(c), value)
/* everything else */
#define tg_threads(tg, n) tg_threads(TG__AT_CTX(tg), n)
#define tg_empty(tg, ...) tg_empty(TG__AT_CTX(tg), __VA_ARGS__)
#define tg_zeros(tg, ...) tg_zeros(TG__AT_CTX(tg), __VA_ARGS__)
#define tg_ones(tg, ...) tg_ones(TG__AT_CTX(tg), __VA_ARGS__)
#define tg_full(tg, ...) tg_full(TG__AT_CTX(tg), __VA_ARGS__)
#define tg_number(tg, value) tg_number(TG__AT_CTX(tg), value)
#define tg_integer(tg, value) tg_integer(TG__AT_CTX(tg), value)
#define tg_arange(tg, start, end, step, dtype) tg_arange(TG__AT_CTX(tg), start, end, step, dtype)
#define tg_eye(tg, n) tg_eye(TG__AT_CTX(tg), n)
#define tg_from(tg, ...) tg_from(TG__AT_CTX(tg), __VA_ARGS__)
#define tg_from_f32(tg, ...) tg_from_f32(TG__AT_CTX(tg), __VA_ARGS__)
#define tg_wrap(tg, ...) tg_wrap(TG__AT_CTX(tg), __VA_ARGS__)
#define tg_empty_like(t) tg_empty_like(TG__AT(t))
#define tg_zeros_like(t) tg_zeros_like(TG__AT(t))
#define tg_ones_like(t) tg_ones_like(TG__AT(t))
#define tg_full_like(t, value) tg_full_like(TG__AT(t), value)
#define tg_rand(tg, ...) tg_rand(TG__AT_CTX(tg), __VA_ARGS__)
#define tg_randn(tg, ...) tg_randn(TG__AT_CTX(tg), __VA_ARGS__)
#define tg_randint(tg, low, high, ...) tg_randint(TG__AT_CTX(tg), low, high, __VA_ARGS__)
#define tg_bernoulli(p) tg_bernoulli(TG__AT(p))
#define tg_uniform_(t, low, high) tg_uniform_(TG__AT(t), low, high)
#define tg_normal_(t, mean, std) tg_normal_(TG__AT(t), mean, std)
#define tg_item(t) tg_item(TG__AT(t))
#define tg_item_i64(t) tg_item_i64(TG__AT(t))
#define tg_get(t, ...) tg_get(TG__AT(t), __VA_ARGS__)
#define tg_set(t, ...) tg_set(TG__AT(t), __VA_ARGS__)
#define tg_read(t, out, size) tg_read(TG__AT(t), out, size)
#define tg_read_f32(t, out, count) tg_read_f32(TG__AT(t), out, count)
#define tg_write(t, ...) tg_write(TG__AT(t), __VA_ARGS__)
#define tg_equal(a, b) tg_equal(TG__AT(a), TG__AT(b))
#define tg_allclose(a, b, rtol, atol) tg_allclose(TG__AT(a), TG__AT(b), rtol, atol)
#define tg_set_name(t, name) tg_set_name(TG__AT(t), name)
#define tg_to(t, dtype) tg_to(TG__AT(t), dtype)
#define tg_clone(t) tg_clone(TG__AT(t))
#define tg_contiguous(t) tg_contiguous(TG__AT(t))
#define tg_copy_(to, from) tg_copy_(TG__AT(to), TG__AT(from))
#define tg_fill_(t, value) tg_fill_(TG__AT(t), value)
#define tg_zero_(t) tg_zero_(TG__AT(t))
#define tg_view(t, ...) tg_view(TG__AT(t), __VA_ARGS__)
#define tg_reshape(t, ...) tg_reshape(TG__AT(t), __VA_ARGS__)
#define tg_flatten(t, start_dim, end_dim) tg_flatten(TG__AT(t), start_dim, end_dim)
#define tg_permute(t, ...) tg_permute(TG__AT(t), __VA_ARGS__)
#define tg_transpose(t, dim0, dim1) tg_transpose(TG__AT(t), dim0, dim1)
#define tg_t(t) tg_t(TG__AT(t))
#define tg_expand(t, ...) tg_expand(TG__AT(t), __VA_ARGS__)
#define tg_squeeze(t, dim) tg_squeeze(TG__AT(t), dim)
#define tg_unsqueeze(t, dim) tg_unsqueeze(TG__AT(t), dim)
#define tg_select(t, dim, index) tg_select(TG__AT(t), dim, index)
#define tg_narrow(t, dim, start, length) tg_narrow(TG__AT(t), dim, start, length)
#define tg_slice_dim(t, dim, start, end, step) tg_slice_dim(TG__AT(t), dim, start, end, step)
#define tg_slice(t, text) tg_slice(TG__AT(t), text)
#define tg_as_strided(t, ...) tg_as_strided(TG__AT(t), __VA_ARGS__)
#define tg_detach(t) tg_detach(TG__AT(t))
#define tg_print(t) tg_print(TG__AT(t))
#define tg_format(t, out, size) tg_format(TG__AT(t), out, size)
#define tg_format_line(t, out, size) tg_format_line(TG__AT(t), out, size)
#define tg_format_stats(t, out, size) tg_format_stats(TG__AT(t), out, size)
#define tg_show(t) tg_show(TG__AT(t))
#define tg_share(to, t) tg_share(TG__AT_CTX(to), TG__AT(t))
#define tg_swap(a, b) tg_swap(TG__AT(a), TG__AT(b))
#define tg_require_grad(t, on) tg_require_grad(TG__AT(t), on)
#define tg_retain_grad(t) tg_retain_grad(TG__AT(t))
#define tg_grad_of(t) tg_grad_of(TG__AT(t))
#define tg_zero_grad(t) tg_zero_grad(TG__AT(t))
#define tg_sparse_grad(t, on) tg_sparse_grad(TG__AT(t), on)
#define tg_is_sparse(t) tg_is_sparse(TG__AT(t))
#define tg_sparse_rows(t) tg_sparse_rows(TG__AT(t))
#define tg_sparse_values(t) tg_sparse_values(TG__AT(t))
#define tg_sparse_new(rows, values, n) tg_sparse_new(TG__AT(rows), TG__AT(values), n)
#define tg_to_dense(t) tg_to_dense(TG__AT(t))
static inline bool tg__vjp_at(const char *file, int line, const tg_function_call *call, tg_tensor *const *v, tg_tensor **outputs, tg_tensor **vjps) { return tg_vjp(tg__at_call(call, file, line), v, outputs, vjps); }
#define tg_vjp(...) TG__PLACED(vjp, __VA_ARGS__)
static inline bool tg__jvp_at(const char *file, int line, const tg_function_call *call, tg_tensor *const *v, tg_tensor **outputs, tg_tensor **jvps) { return tg_jvp(tg__at_call(call, file, line), v, outputs, jvps); }
#define tg_jvp(...) TG__PLACED(jvp, __VA_ARGS__)
static inline bool tg__hvp_at(const char *file, int line, const tg_function_call *call, tg_tensor *const *v, tg_tensor **output, tg_tensor **hvps) { return tg_hvp(tg__at_call(call, file, line), v, output, hvps); }
#define tg_hvp(...) TG__PLACED(hvp, __VA_ARGS__)
static inline tg_tensor *tg__jacobian_at(const char *file, int line, const tg_function_call *call, int output, int input) { return tg_jacobian(tg__at_call(call, file, line), output, input); }
#define tg_jacobian(...) TG__PLACED(jacobian, __VA_ARGS__)
static inline bool tg__vmap_at(const char *file, int line, const tg_function_call *call, tg_tensor **outputs) { return tg_vmap(tg__at_call(call, file, line), outputs); }
#define tg_vmap(...) TG__PLACED(vmap, __VA_ARGS__)
static inline bool tg__checkpoint_at(const char *file, int line, const tg_function_call *call, tg_tensor **outputs) { return tg_checkpoint(tg__at_call(call, file, line), outputs); }
#define tg_checkpoint(...) TG__PLACED(checkpoint, __VA_ARGS__)
#define tg_hook(t, hook, user) tg_hook(TG__AT(t), hook, user)
#define tg_sum(x) tg_sum(TG__AT(x))
#define tg_sum_dims(x, ...) tg_sum_dims(TG__AT(x), __VA_ARGS__)
#define tg_mean(x) tg_mean(TG__AT(x))
#define tg_mean_dims(x, ...) tg_mean_dims(TG__AT(x), __VA_ARGS__)
#define tg_prod(x) tg_prod(TG__AT(x))
#define tg_prod_dim(x, dim, keepdim) tg_prod_dim(TG__AT(x), dim, keepdim)
#define tg_amax(x) tg_amax(TG__AT(x))
#define tg_amax_dims(x, ...) tg_amax_dims(TG__AT(x), __VA_ARGS__)
#define tg_amin(x) tg_amin(TG__AT(x))
#define tg_amin_dims(x, ...) tg_amin_dims(TG__AT(x), __VA_ARGS__)
#define tg_max(x) tg_max(TG__AT(x))
#define tg_max_dim(x, dim, keepdim, indices) tg_max_dim(TG__AT(x), dim, keepdim, indices)
#define tg_min(x) tg_min(TG__AT(x))
#define tg_min_dim(x, dim, keepdim, indices) tg_min_dim(TG__AT(x), dim, keepdim, indices)
#define tg_argmax(x) tg_argmax(TG__AT(x))
#define tg_argmax_dim(x, dim, keepdim) tg_argmax_dim(TG__AT(x), dim, keepdim)
#define tg_argmin(x) tg_argmin(TG__AT(x))
#define tg_argmin_dim(x, dim, keepdim) tg_argmin_dim(TG__AT(x), dim, keepdim)
#define tg_any(x) tg_any(TG__AT(x))
#define tg_any_dims(x, ...) tg_any_dims(TG__AT(x), __VA_ARGS__)
#define tg_all(x) tg_all(TG__AT(x))
#define tg_all_dims(x, ...) tg_all_dims(TG__AT(x), __VA_ARGS__)
#define tg_var(x, correction) tg_var(TG__AT(x), correction)
#define tg_var_dims(x, ...) tg_var_dims(TG__AT(x), __VA_ARGS__)
#define tg_std(x, correction) tg_std(TG__AT(x), correction)
#define tg_std_dims(x, ...) tg_std_dims(TG__AT(x), __VA_ARGS__)
static inline tg_tensor *tg__cat_at(const char *file, int line, tg_tensor *const *list, int n, int64_t dim) { return tg_cat(tg__at_list(list, n, file, line), n, dim); }
#define tg_cat(...) TG__PLACED(cat, __VA_ARGS__)
static inline tg_tensor *tg__stack_at(const char *file, int line, tg_tensor *const *list, int n, int64_t dim) { return tg_stack(tg__at_list(list, n, file, line), n, dim); }
#define tg_stack(...) TG__PLACED(stack, __VA_ARGS__)
#define tg_split(x, size, dim, pieces, room) tg_split(TG__AT(x), size, dim, pieces, room)
#define tg_split_sizes(x, ...) tg_split_sizes(TG__AT(x), __VA_ARGS__)
static inline bool tg__meshgrid_at(const char *file, int line, tg_tensor *const *list, int n, bool xy, tg_tensor **grids) { return tg_meshgrid(tg__at_list(list, n, file, line), n, xy, grids); }
#define tg_meshgrid(...) TG__PLACED(meshgrid, __VA_ARGS__)
#define tg_flip(x, ...) tg_flip(TG__AT(x), __VA_ARGS__)
#define tg_rot90(x, k, dim0, dim1) tg_rot90(TG__AT(x), k, dim0, dim1)
#define tg_trace(x) tg_trace(TG__AT(x))
#define tg_sort(x, dim, descending, indices) tg_sort(TG__AT(x), dim, descending, indices)
#define tg_index_select(x, dim, index) tg_index_select(TG__AT(x), dim, TG__AT(index))
#define tg_index_add(x, dim, index, src) tg_index_add(TG__AT(x), dim, TG__AT(index), TG__AT(src))
#define tg_gather(x, dim, index) tg_gather(TG__AT(x), dim, TG__AT(index))
#define tg_scatter(x, dim, index, src) tg_scatter(TG__AT(x), dim, TG__AT(index), TG__AT(src))
#define tg_scatter_add(x, dim, index, src) tg_scatter_add(TG__AT(x), dim, TG__AT(index), TG__AT(src))
#define tg_one_hot(index, classes) tg_one_hot(TG__AT(index), classes)
#define tg_matmul(a, b) tg_matmul(TG__AT(a), TG__AT(b))
#define tg_linear(x, weight, bias) tg_linear(TG__AT(x), TG__AT(weight), TG__AT(bias))
#define tg_softmax(x, dim) tg_softmax(TG__AT(x), dim)
#define tg_log_softmax(x, dim) tg_log_softmax(TG__AT(x), dim)
#define tg_mse_loss(x, target) tg_mse_loss(TG__AT(x), TG__AT(target))
#define tg_cross_entropy(logits, target) tg_cross_entropy(TG__AT(logits), TG__AT(target))
#define tg_dropout(x, p, training) tg_dropout(TG__AT(x), p, training)
static inline tg_tensor *tg__call_at(const char *file, int line, const tg_op *op, const void *attr, tg_tensor *const *inputs, int n_inputs, tg_tensor **outputs) { return tg_call(op, attr, tg__at_list(inputs, n_inputs, file, line), n_inputs, outputs); }
#define tg_call(...) TG__PLACED(call, __VA_ARGS__)
#define tg_device_register(tg, device, ...) tg_device_register(TG__AT_CTX(tg), device, __VA_ARGS__)
#define tg_to_device(t, device) tg_to_device(TG__AT(t), device)
#define tg_dict_new(tg) tg_dict_new(TG__AT_CTX(tg))
#define tg_dict_set(d, name, t) tg_dict_set(TG__AT_DICT(d), name, TG__AT(t))
#define tg_dict_set_meta(d, key, value) tg_dict_set_meta(TG__AT_DICT(d), key, value)
#define tg_dict_set_raw(d, name, type, ...) tg_dict_set_raw(TG__AT_DICT(d), name, type, __VA_ARGS__)
#define tg_dict_f32(d, i) tg_dict_f32(TG__AT_CONST_DICT(d), i)
#define tg_safetensors_parse(tg, ...) tg_safetensors_parse(TG__AT_CTX(tg), __VA_ARGS__)
#define tg_safetensors_load(tg, path) tg_safetensors_load(TG__AT_CTX(tg), path)
#define tg_safetensors_bytes(d) tg_safetensors_bytes(TG__AT_CONST_DICT(d))
#define tg_safetensors_save(d, path) tg_safetensors_save(TG__AT_CONST_DICT(d), path)
#define tg_npy_parse(tg, ...) tg_npy_parse(TG__AT_CTX(tg), __VA_ARGS__)
#define tg_npy_load(tg, path) tg_npy_load(TG__AT_CTX(tg), path)
#define tg_npy_bytes(t) tg_npy_bytes(TG__AT(t))
#define tg_npy_save(t, path) tg_npy_save(TG__AT(t), path)
/* ---- end of the list ---- */
#endif

#endif /* TENSORGRAD_H */

/* ==========================================================================================================
   PART II: IMPLEMENTATION. Compiled where TENSORGRAD_IMPLEMENTATION is defined.
   ========================================================================================================== */
#if defined(TENSORGRAD_IMPLEMENTATION) && !defined(TG__IMPLEMENTATION_DONE)
#define TG__IMPLEMENTATION_DONE

/* ======================================================================================
   >>impl-base    includes, the words the rest is written in, the private types
   ====================================================================================== */

#include <string.h>

#if !defined(TENSORGRAD_FILENAME)
#define TENSORGRAD_FILENAME "tensorgrad.h"     /* define it if your copy has another name: the file reads itself */
#endif

#if defined(__GNUC__)
#if defined(__clang__) || defined(__TINYC__)
#define TG__NOINLINE static __attribute__((unused, noinline))
#else
#define TG__NOINLINE static __attribute__((unused, noinline, noclone))
#endif
#define TG__PRIVATE static __attribute__((unused))
#define TG__INLINE static inline __attribute__((unused, always_inline))
#define TG__LIKELY(c) __builtin_expect(!!(c), 1)
#define TG__RARE(c) __builtin_expect(!!(c), 0)
#elif defined(_MSC_VER)
#define TG__NOINLINE static __declspec(noinline)
#define TG__PRIVATE static
#define TG__INLINE static __forceinline
#define TG__LIKELY(c) (c)
#define TG__RARE(c) (c)
#else
#define TG__NOINLINE static
#define TG__PRIVATE static
#define TG__INLINE static inline
#define TG__LIKELY(c) (c)
#define TG__RARE(c) (c)
#endif

#if defined(__GNUC__)
#define TG__PREFETCH(p) __builtin_prefetch(p)
#else
#define TG__PREFETCH(p) ((void)(p))
#endif

#ifdef __cplusplus
#define TG__ZERO {}
#else
#define TG__ZERO {0}
#endif

/* Which instruction sets this build holds. Inside the passes test TG__PASS_..., never the compiler's own macros. */
#if defined(TENSORGRAD_TEACH) || defined(__CUDACC__)   /* nvcc reads everything itself first and knows no target regions */
#define TG__HAS_X86 0
#define TG__HAS_NEON 0
#elif (defined(__x86_64__) || defined(_M_X64)) && (defined(__GNUC__) && !defined(__TINYC__)) && \
    (!defined(__MINGW32__) || defined(__clang__))
#define TG__HAS_X86 1          /* mingw's gcc aligns its stack to 16 and spills wide registers with aligned stores: no AVX there */
#define TG__HAS_NEON 0
#elif defined(__aarch64__) && defined(__GNUC__)
#define TG__HAS_X86 0
#define TG__HAS_NEON 1
#else
#define TG__HAS_X86 0
#define TG__HAS_NEON 0
#endif
/* Plain C with a software FMA: strict mode for CPUs that lack the instruction. Almost none that these compilers
   serve do, and the pass costs a tenth of the time to compile. */
#if defined(TENSORGRAD_SOFT_FMA) || !(TG__HAS_X86 || TG__HAS_NEON || defined(TENSORGRAD_TEACH))
#define TG__HAS_SOFT_FMA 1
#else
#define TG__HAS_SOFT_FMA 0
#endif
#undef TG__ONLY
#if defined(TENSORGRAD_NATIVE) && TG__HAS_X86 && \
    defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512BW__) && defined(__AVX512VL__)
#define TG__ONLY avx512
#define TG__ONLY_AVX512
#elif defined(TENSORGRAD_NATIVE) && TG__HAS_X86 && \
    defined(__AVX2__) && defined(__FMA__) && defined(__F16C__) && defined(__BMI2__)
#define TG__ONLY avx2
#define TG__ONLY_AVX2
#elif defined(TENSORGRAD_NATIVE) && TG__HAS_NEON
#define TG__ONLY neon
#define TG__ONLY_NEON
#endif

#if defined(__cplusplus) && defined(__GNUC__)     /* libstdc++'s cstdlib, behind immintrin.h, removes the host's min and max */
#pragma push_macro("min")
#pragma push_macro("max")
#endif
#if TG__HAS_X86
#include <immintrin.h>
#elif (defined(__x86_64__) && defined(__GNUC__) && !defined(__TINYC__))
#include <emmintrin.h>
#elif TG__HAS_NEON
#include <arm_neon.h>
#endif
#if defined(__cplusplus) && defined(__GNUC__)
#pragma pop_macro("min")
#pragma pop_macro("max")
#endif

/* Inside this file calls carry no place: messages name the line of the user's call. */
#ifndef TENSORGRAD_NO_LINES
#undef TG__AT
#undef TG__AT_CTX
#undef TG__AT_DICT
#undef TG__AT_CONST_DICT
#undef TG__PLACED
#define TG__AT(t) (t)
#define TG__AT_CTX(tg) (tg)
#define TG__AT_DICT(d) (d)
#define TG__AT_CONST_DICT(d) (d)
#define TG__PLACED(name, ...) tg_##name(__VA_ARGS__)
#endif

/* The header's own optimisation and rounding, whatever the user's flags: gcc contracts even intrinsics by
   default, -Ofast removes error-free transforms, and a gemm without optimisation is ten times slower. */
#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wunknown-pragmas"
#pragma float_control(push)
#pragma float_control(precise, on)
#pragma STDC FP_CONTRACT OFF
#elif defined(__NVCC_DIAG_PRAGMA_SUPPORT__)            /* nvcc takes `(void)a` for no use of a */
#pragma nv_diagnostic push
#pragma nv_diag_suppress 550
#elif defined(__GNUC__) && !defined(__TINYC__) && !defined(__CUDACC__)
#pragma GCC push_options
#if defined(TENSORGRAD_DEBUG)
#pragma GCC optimize("no-fast-math", "fp-contract=off")
#elif defined(TENSORGRAD_TEACH)
#pragma GCC optimize("Og", "strict-aliasing", "no-fast-math", "fp-contract=off", "no-tree-loop-distribute-patterns")
#else
/* -O1, the parts of -O2 that are felt, and without the parts of -O1 that are not: the compiler is done in half of the
   time, kernels written in vector words are as fast. What has loops of plain C, or none that are hot, opens a region
   of its own (TG__LEVELS). And a loop over two pointers stays a loop: memset or `rep stos` costs more than a tiny call. */
#pragma GCC optimize("O1", "inline-small-functions", "optimize-sibling-calls", "ipa-ra", "caller-saves", "strict-aliasing")
#if TG__HAS_X86 || TG__HAS_NEON
#define TG__LEVELS
#pragma GCC optimize("no-tree-pta", "no-tree-loop-optimize", "no-tree-dominator-opts")
#endif
#pragma GCC optimize("no-fast-math", "fp-contract=off", "no-tree-loop-distribute-patterns")
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define TG__ALIGN 64
#define TG__ROUND_UP(n, to) (((n) + ((to) - 1)) / (to) * (to))

/* Sizes are checked before any arithmetic that uses them. */
enum { TG__BLOCKS = 1, TG__SPARSE, TG__LANES };                           /* what an opaque tensor is */
TG__PRIVATE bool tg__mul_i64(int64_t a, int64_t b, int64_t *out) {        /* for a, b >= 0 */
#if defined(__GNUC__) && !defined(__TINYC__)
    return !__builtin_mul_overflow(a, b, out);
#else
    if (a != 0 && b > INT64_MAX / a) return false;
    *out = a * b;
    return true;
#endif
}
TG__PRIVATE bool tg__add_i64(int64_t a, int64_t b, int64_t *out) {
    if ((b > 0 && a > INT64_MAX - b) || (b < 0 && a < INT64_MIN - b)) return false;
    *out = a + b;
    return true;
}
TG__PRIVATE int64_t tg__imin(int64_t a, int64_t b) { return a < b ? a : b; }
TG__PRIVATE int64_t tg__imax(int64_t a, int64_t b) { return a > b ? a : b; }
/* n >= 0, d > 0: how many pieces of d */
TG__PRIVATE int64_t tg__ceil_div(int64_t n, int64_t d) { return (n + d - 1) / d; }

/* ======================================================================================
   >>impl-platform    atomics, threads, clock, CPU and FPU, files, number text, bytes
   The only section that names an operating system. Knows no context and no tensor: memory comes
   through tg__mem, failures are returned as small codes, errno and GetLastError come back unchanged.
   Options: TENSORGRAD_NO_THREADS, TENSORGRAD_NO_TIME, TENSORGRAD_NO_STDIO.
   ====================================================================================== */

/* ---- what this build has ----
   TG__OS_WINDOWS or TG__OS_POSIX or neither (bare wasm, consoles: no threads, clock and files there).
   Strict -std=c99 hides clock_gettime, pthread_sigmask, sched_getaffinity, O_CLOEXEC: those are met by hand
   below. */
#if defined(_WIN32)
  #define TG__OS_WINDOWS 1
#elif defined(__unix__) || defined(__unix) || defined(__APPLE__) || defined(__linux__) || defined(__HAIKU__) || \
      defined(__EMSCRIPTEN__) || defined(__wasi__)
  #define TG__OS_POSIX 1
#endif

#if defined(__GNUC__) || defined(__clang__) || defined(_MSC_VER)
  #define TG__HAS_ATOMICS 1
#else
  #define TG__HAS_ATOMICS 0       /* tcc: plain operations, so no pool and no sharing between threads */
#endif

#if defined(TENSORGRAD_NO_THREADS) || !TG__HAS_ATOMICS
  #define TG__HAS_POOL 0
#elif defined(TG__OS_WINDOWS)     /* condition variables came with Vista */
  #if defined(_WIN32_WINNT)
    #if _WIN32_WINNT < 0x0600
      #define TG__HAS_POOL 0
    #endif
  #endif
#elif !defined(TG__OS_POSIX) || defined(__wasi__) || (defined(__EMSCRIPTEN__) && !defined(__EMSCRIPTEN_PTHREADS__))
  #define TG__HAS_POOL 0
#endif
#if !defined(TG__HAS_POOL)
  #define TG__HAS_POOL 1
#endif

#if !defined(TENSORGRAD_NO_STDIO) && (defined(TG__OS_WINDOWS) || defined(TG__OS_POSIX))
  #define TG__HAS_FILES 1
#else
  #define TG__HAS_FILES 0
#endif

#if defined(__cplusplus)
extern "C++" {          /* system headers may hold templates, and extern "C" may be open around this section */
#endif
#include <string.h>
#if defined(TG__OS_WINDOWS)
  #if !defined(WIN32_LEAN_AND_MEAN)
    #define WIN32_LEAN_AND_MEAN
  #endif
  #if !defined(NOMINMAX)
    #define NOMINMAX
  #endif
  #include <windows.h>
#elif defined(TG__OS_POSIX)
  #include <errno.h>
  #include <sys/types.h>
  #include <unistd.h>
  #if !defined(TENSORGRAD_NO_TIME)
    #include <time.h>
    #include <sys/time.h>
  #endif
  #if TG__HAS_POOL
    #include <pthread.h>
    #include <signal.h>
  #endif
  #if TG__HAS_FILES
    #include <fcntl.h>
    #include <stdio.h>            /* rename, nothing else */
    #include <sys/stat.h>
  #endif
  #if defined(__APPLE__)
    #include <sys/sysctl.h>
  #endif
#endif
#if defined(_MSC_VER)
  #include <intrin.h>
#endif
#if defined(__cplusplus)
}
#endif

#if defined(__x86_64__) || (defined(__i386__) && defined(__SSE__)) || defined(_M_X64) || \
    (defined(_M_IX86_FP) && !defined(__GNUC__))
  #define TG__ON_X86 1
#elif defined(__aarch64__) || defined(_M_ARM64)
  #define TG__ON_ARM64 1
#endif

/* Functions of the C library whose prototypes strict modes hide, declared by us under a name of our own, so that
   nothing collides with the host's declarations. Only where the types are certain: 64-bit Linux. */
#if defined(__linux__) && defined(__LP64__) && (defined(__GNUC__) || defined(__TINYC__))
  #define TG__LINUX64 1
  #if defined(__GLIBC__)
    #define TG__GLIBC_VERSION (__GLIBC__ * 100 + __GLIBC_MINOR__)
  #else
    #define TG__GLIBC_VERSION 999                   /* musl, bionic: everything stands in libc */
  #endif
  #define TG__LIBC_STRONG(ret, name, args) extern ret tg__libc_##name args __asm__(#name)
  #define TG__LIBC_WEAK(ret, name, args)   static ret tg__libc_##name args __attribute__((weakref(#name)))
#endif

/* pthread_create came into glibc's libc with 2.34. Before, a program linked without -pthread lacks it, and weak
   references let that program link and tg__pool_open tell. Not used where they are not needed: a weak reference
   pulls nothing out of a static library. TG__WEAK_PTHREAD can be set to 1 by the tests. */
#if !defined(TG__WEAK_PTHREAD)
  #if TG__HAS_POOL && defined(TG__OS_POSIX) && defined(__ELF__) && defined(__GNUC__) && defined(__GLIBC__)
    #if __GLIBC__ * 100 + __GLIBC_MINOR__ < 234
      #define TG__WEAK_PTHREAD 1
    #endif
  #elif TG__HAS_POOL && defined(__ELF__) && (defined(__FreeBSD__) || defined(__NetBSD__) || defined(__OpenBSD__))
    #define TG__WEAK_PTHREAD 1
  #endif
#endif
#if !defined(TG__WEAK_PTHREAD)
  #define TG__WEAK_PTHREAD 0
#endif

/* Memory for this section and for the loaders; user may be NULL. release gets exactly what alloc was given. */
typedef struct tg__mem {
    void *user;
    void *(*alloc)(void *user, size_t size, size_t align);
    void (*release)(void *user, void *p, size_t size, size_t align);
} tg__mem;

/* not inline: gcc makes a slow `rep stos` of a memset of known size */
TG__NOINLINE void tg__zero(void *to, size_t size) { if (size) memset(to, 0, size); }

/* -------------------------------------------------------------------------------- atomics ----
   32 bits only: 64-bit ones want a library on 32-bit targets. load is sequentially consistent (the same
   instruction as acquire on x86 and aarch64), add and cas too: the pool's sleeping protocol needs that. */
#if defined(__GNUC__) || defined(__clang__)
TG__PRIVATE uint32_t tg__atomic_load(volatile uint32_t *p) { return __atomic_load_n(p, __ATOMIC_SEQ_CST); }
TG__PRIVATE void tg__atomic_store(volatile uint32_t *p, uint32_t v) { __atomic_store_n(p, v, __ATOMIC_RELEASE); }
TG__PRIVATE uint32_t tg__atomic_add(volatile uint32_t *p, uint32_t v) {
    return __atomic_add_fetch(p, v, __ATOMIC_SEQ_CST);
}
TG__PRIVATE bool tg__atomic_cas(volatile uint32_t *p, uint32_t *expected, uint32_t desired) {
    return __atomic_compare_exchange_n(p, expected, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}
#elif defined(_MSC_VER)
#if defined(_M_ARM64) || defined(_M_ARM)
  #define TG__MSVC_FENCE() __dmb(0xB)               /* inner shareable */
#else
  #define TG__MSVC_FENCE() _ReadWriteBarrier()      /* x86 keeps loads and stores in order by itself */
#endif
TG__PRIVATE uint32_t tg__atomic_load(volatile uint32_t *p) { uint32_t v = *p; TG__MSVC_FENCE(); return v; }
TG__PRIVATE void tg__atomic_store(volatile uint32_t *p, uint32_t v) { TG__MSVC_FENCE(); *p = v; }
TG__PRIVATE uint32_t tg__atomic_add(volatile uint32_t *p, uint32_t v) {
    return (uint32_t)_InterlockedExchangeAdd((volatile long *)p, (long)v) + v;
}
TG__PRIVATE bool tg__atomic_cas(volatile uint32_t *p, uint32_t *expected, uint32_t desired) {
    uint32_t was = (uint32_t)_InterlockedCompareExchange((volatile long *)p, (long)desired, (long)*expected);
    bool same = was == *expected;
    *expected = was;
    return same;
}
#else
TG__PRIVATE uint32_t tg__atomic_load(volatile uint32_t *p) { return *p; }
TG__PRIVATE void tg__atomic_store(volatile uint32_t *p, uint32_t v) { *p = v; }
TG__PRIVATE uint32_t tg__atomic_add(volatile uint32_t *p, uint32_t v) { *p += v; return *p; }
TG__PRIVATE bool tg__atomic_cas(volatile uint32_t *p, uint32_t *expected, uint32_t desired) {
    if (*p != *expected) { *expected = *p; return false; }
    *p = desired;
    return true;
}
#endif

#ifdef TENSORGRAD_DEBUG
/* Not 0, and of living threads hardly ever the same: where errno stands, mixed. */
TG__PRIVATE uint32_t tg__thread_id(void) {
#if defined(TG__OS_WINDOWS)
    return (uint32_t)GetCurrentThreadId() | 0x80000000u;
#elif defined(TG__OS_POSIX)
    uint64_t at = (uint64_t)(uintptr_t)&errno;
    return (uint32_t)((at >> 4) ^ (at >> 36)) | 1u;
#else
    return 1;
#endif
}
#endif

/* ---------------------------------------------------------------------------------- clock ----
   Seconds since some fixed moment, never going back (where the system has such a clock). */
#if defined(TENSORGRAD_NO_TIME) || !(defined(TG__OS_WINDOWS) || defined(TG__OS_POSIX))
TG__PRIVATE double tg__seconds(void) { return 0; }
#elif defined(TG__OS_WINDOWS)
TG__PRIVATE double tg__seconds(void) {
    LARGE_INTEGER now, rate;
    if (!QueryPerformanceCounter(&now) || !QueryPerformanceFrequency(&rate) || rate.QuadPart <= 0) return 0;
    return (double)(now.QuadPart / rate.QuadPart) + (double)(now.QuadPart % rate.QuadPart) / (double)rate.QuadPart;
}
#else
#if defined(TG__LINUX64)
typedef struct tg__timespec { long sec, nsec; } tg__timespec;       /* struct timespec, which -std=c99 may hide */
#if TG__GLIBC_VERSION >= 217
TG__LIBC_STRONG(int, clock_gettime, (int clock, tg__timespec *t));
#else
TG__LIBC_WEAK(int, clock_gettime, (int clock, tg__timespec *t));    /* stood in librt before 2.17 */
#endif
#endif
TG__PRIVATE double tg__seconds(void) {
    struct timeval v;
#if defined(TG__LINUX64)
    tg__timespec t;
#if TG__GLIBC_VERSION < 217
    if (tg__libc_clock_gettime)
#endif
    if (tg__libc_clock_gettime(1, &t) == 0) return (double)t.sec + (double)t.nsec * 1e-9;   /* 1: CLOCK_MONOTONIC */
#elif defined(CLOCK_MONOTONIC)
    struct timespec t;
    if (clock_gettime(CLOCK_MONOTONIC, &t) == 0) return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
#endif
    if (gettimeofday(&v, NULL) != 0) return 0;
    return (double)v.tv_sec + (double)v.tv_usec * 1e-6;
}
#endif

/* ------------------------------------------------------------------------- CPU features ----
   At most 4 cpuid (each costs microseconds under a hypervisor), and xgetbv: the processor having wide registers
   does not mean that the system saves them. */
#define TG__CPU_AVX2        1u      /* avx2, fma, f16c, bmi, bmi2 */
#define TG__CPU_AVX512      2u      /* f, dq, bw, vl, and all of the above */
#define TG__CPU_AVX512_BF16 4u
#define TG__CPU_AVX512_VNNI 8u
#define TG__CPU_AVX_VNNI    16u
#define TG__CPU_NEON        32u

#if defined(TG__ON_X86)
typedef struct tg__cpuid { uint32_t a, b, c, d; } tg__cpuid;

TG__PRIVATE tg__cpuid tg__cpuid_get(uint32_t leaf, uint32_t part) {
    tg__cpuid r;
#if defined(_MSC_VER) && !defined(__clang__)
    int w[4];
    __cpuidex(w, (int)leaf, (int)part);
    r.a = (uint32_t)w[0]; r.b = (uint32_t)w[1]; r.c = (uint32_t)w[2]; r.d = (uint32_t)w[3];
#else
    r.a = leaf; r.c = part;
    __asm__ __volatile__("cpuid" : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d) : "0"(leaf), "2"(part));
#endif
    return r;
}

TG__PRIVATE uint32_t tg__xcr0(void) {
#if defined(_MSC_VER) && !defined(__clang__)
    return (uint32_t)_xgetbv(0);
#else
    uint32_t a, d;
    __asm__ __volatile__(".byte 0x0f, 0x01, 0xd0" : "=a"(a), "=d"(d) : "c"(0));     /* xgetbv; no -mxsave needed */
    return a;
#endif
}

TG__PRIVATE unsigned tg__cpu_probe(void) {
    const uint32_t want1 = 1u << 12 | 1u << 27 | 1u << 28 | 1u << 29;       /* fma, osxsave, avx, f16c */
    const uint32_t want7 = 1u << 3 | 1u << 5 | 1u << 8;                     /* bmi, avx2, bmi2 */
    const uint32_t want512 = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;     /* f, dq, bw, vl */
    tg__cpuid c1, c7, c71;
    uint32_t saved;
    unsigned has = 0;
    if (tg__cpuid_get(0, 0).a < 7) return 0;
    c1 = tg__cpuid_get(1, 0);
    if ((c1.c & want1) != want1) return 0;
    saved = tg__xcr0();
    if ((saved & 6u) != 6u) return 0;                                       /* xmm, ymm */
    c7 = tg__cpuid_get(7, 0);
    if ((c7.b & want7) != want7) return 0;
    has |= TG__CPU_AVX2;
    c71.a = 0;
    if (c7.a >= 1) c71 = tg__cpuid_get(7, 1);
    if (c71.a & 1u << 4) has |= TG__CPU_AVX_VNNI;
    if ((c7.b & want512) != want512 || (saved & 0xe6u) != 0xe6u) return has;
    has |= TG__CPU_AVX512;                                                  /* opmask, zmm */
    if (c7.c & 1u << 11) has |= TG__CPU_AVX512_VNNI;
    if (c71.a & 1u << 5) has |= TG__CPU_AVX512_BF16;
    return has;
}
#elif defined(TG__ON_ARM64)
TG__PRIVATE unsigned tg__cpu_probe(void) { return TG__CPU_NEON; }
#else
TG__PRIVATE unsigned tg__cpu_probe(void) { return 0; }
#endif

/* ------------------------------------------------------------- floating-point environment ----
   tg__fp_enter: round to nearest, exceptions masked, denormals flushed if asked. tg__fp_leave puts the host's
   control bits and sticky flags back as they were. The compiler may move arithmetic across either, so what
   must run inside is called through a pointer. */
#if defined(TG__ON_X86)
#if defined(__TINYC__)                                  /* its assembler lacks the two words */
  #define TG__STMXCSR(word) __asm__ __volatile__(".byte 0x0f, 0xae, 0x18" : : "a"(&(word)) : "memory")
  #define TG__LDMXCSR(word) __asm__ __volatile__(".byte 0x0f, 0xae, 0x10" : : "a"(&(word)) : "memory")
#else
  #define TG__STMXCSR(word) __asm__ __volatile__("stmxcsr %0" : "=m"(word) : : "memory")
  #define TG__LDMXCSR(word) __asm__ __volatile__("ldmxcsr %0" : : "m"(word) : "memory")
#endif
TG__PRIVATE unsigned tg__fp_enter(bool flush) {
    /* all six masks; flush-to-zero, which is enough: a tiny number that is stored, compared or copied stays
       itself */
    unsigned mode = flush ? 0x9f80u : 0x1f80u;
#if defined(_MSC_VER) && !defined(__clang__)
    unsigned old = _mm_getcsr();
    _mm_setcsr(mode);
#else
    unsigned old;
    TG__STMXCSR(old);
    TG__LDMXCSR(mode);
#endif
    return old;
}
TG__PRIVATE void tg__fp_leave(unsigned old) {
#if defined(_MSC_VER) && !defined(__clang__)
    _mm_setcsr(old);
#else
    TG__LDMXCSR(old);
#endif
}
#elif defined(TG__ON_ARM64)
/* Two registers go into one word: FPCR's fields stay in place, FPSR's flags use its free bits 3, 7 and 27..31. */
#if defined(_MSC_VER) && !defined(__clang__)
TG__PRIVATE uint64_t tg__fpcr(void) { return (uint64_t)_ReadStatusReg(0x5a20); }
TG__PRIVATE uint64_t tg__fpsr(void) { return (uint64_t)_ReadStatusReg(0x5a21); }
TG__PRIVATE void tg__fpcr_set(uint64_t v) { _WriteStatusReg(0x5a20, (int64_t)v); }
TG__PRIVATE void tg__fpsr_set(uint64_t v) { _WriteStatusReg(0x5a21, (int64_t)v); }
#else
TG__PRIVATE uint64_t tg__fpcr(void) {
    uint64_t v;
    __asm__ __volatile__("mrs %0, fpcr" : "=r"(v) : : "memory");
    return v;
}
TG__PRIVATE uint64_t tg__fpsr(void) {
    uint64_t v;
    __asm__ __volatile__("mrs %0, fpsr" : "=r"(v) : : "memory");
    return v;
}
TG__PRIVATE void tg__fpcr_set(uint64_t v) { __asm__ __volatile__("msr fpcr, %0" : : "r"(v) : "memory"); }
TG__PRIVATE void tg__fpsr_set(uint64_t v) { __asm__ __volatile__("msr fpsr, %0" : : "r"(v) : "memory"); }
#endif
#define TG__FPCR_FIELDS 0x07cfbf07u
TG__PRIVATE unsigned tg__fp_enter(bool flush) {
    uint64_t control = tg__fpcr(), flags = tg__fpsr(), mode = flush ? (uint64_t)1 << 24 : 0;
    if (control != mode) tg__fpcr_set(mode);
    return (unsigned)((control & TG__FPCR_FIELDS) | (flags & 0x1f) << 27 | (flags & 0x80) | (flags >> 27 & 1) << 3);
}
TG__PRIVATE void tg__fp_leave(unsigned old) {
    uint64_t flags = (uint64_t)(old >> 27) | (old & 0x80u) | (uint64_t)(old >> 3 & 1u) << 27;
    uint64_t control = old & TG__FPCR_FIELDS;
    if (tg__fpcr() != control) tg__fpcr_set(control);
    if (tg__fpsr() != flags) tg__fpsr_set(flags);
}
#else
TG__PRIVATE unsigned tg__fp_enter(bool flush) { (void)flush; return 0; }
TG__PRIVATE void tg__fp_leave(unsigned old) { (void)old; }
#endif

/* ------------------------------------------------------------------- how many processors ----
   tg__cpu_logical: those this process may run on. tg__cpu_count: physical cores among them, and no more than a
   container's quota: two workers on one core's two threads, or beyond the quota, only get in each other's way. */
#if TG__HAS_POOL && defined(TG__OS_WINDOWS)
TG__PRIVATE int tg__cpu_logical(void) {
    DWORD_PTR mine = 0, all = 0;
    int n = 0;
    if (!GetProcessAffinityMask(GetCurrentProcess(), &mine, &all)) return 1;
    for (; mine; mine &= mine - 1) n++;
    return n > 0 ? n : 1;
}
TG__PRIVATE int tg__cpu_count(void) {
    DWORD last = GetLastError(), size = 0, i;
    DWORD_PTR mine = 0, all = 0;
    SYSTEM_LOGICAL_PROCESSOR_INFORMATION *list = NULL;
    int n = 0;
    if (GetProcessAffinityMask(GetCurrentProcess(), &mine, &all)) {
        GetLogicalProcessorInformation(NULL, &size);
        if (size) list = (SYSTEM_LOGICAL_PROCESSOR_INFORMATION *)HeapAlloc(GetProcessHeap(), 0, size);
        if (list && GetLogicalProcessorInformation(list, &size))
            for (i = 0; i < size / (DWORD)sizeof *list; i++)
                if (list[i].Relationship == RelationProcessorCore && (list[i].ProcessorMask & mine)) n++;
        if (list) HeapFree(GetProcessHeap(), 0, list);
    }
    SetLastError(last);
    return n > 0 ? n : tg__cpu_logical();
}
#elif TG__HAS_POOL
#if defined(TG__LINUX64)
#define TG__CPU_WORDS 64                                            /* 4096 processors, 512 bytes */
TG__LIBC_STRONG(int, sched_getaffinity, (int pid, size_t size, uint64_t *mask));
#if TG__HAS_FILES
/* The start of a small text file of the system; the number of characters, 0 if it is not there. */
TG__PRIVATE int tg__system_text(const char *path, char *text, int cap) {
    int n, file = open(path, O_RDONLY);
    if (file < 0) return 0;
    n = (int)read(file, text, (size_t)cap - 1);
    close(file);
    if (n < 0) n = 0;
    text[n] = 0;
    return n;
}
TG__PRIVATE const char *tg__system_number(const char *s, int64_t *v) {
    for (*v = 0; *s >= '0' && *s <= '9'; s++) if (*v < 1000000000000) *v = *v * 10 + (*s - '0');
    return s;
}
/* Whether cpu is the first of its core's threads ("0,64" or "0-1") that we may use. */
TG__PRIVATE bool tg__cpu_first(const uint64_t *mask, int cpu) {
    char path[80] = "/sys/devices/system/cpu/cpu", text[128], digits[12];
    const char *s = text;
    int at = (int)strlen(path), n = 0, left = cpu;
    do { digits[n++] = (char)('0' + left % 10); left /= 10; } while (left);
    while (n) path[at++] = digits[--n];
    memcpy(path + at, "/topology/thread_siblings_list", 31);
    if (!tg__system_text(path, text, (int)sizeof text)) return true;
    while (*s >= '0' && *s <= '9') {
        int64_t a, b;
        s = tg__system_number(s, &a);
        b = a;
        if (*s == '-') s = tg__system_number(s + 1, &b);
        for (; a <= b && a < cpu; a++) if (mask[a / 64] >> (a % 64) & 1) return false;
        if (*s == ',') s++;
    }
    return true;
}
TG__PRIVATE int tg__cpu_quota(int n) {
    char text[64];
    const char *s = text;
    int64_t quota, period;
    if (!tg__system_text("/sys/fs/cgroup/cpu.max", text, (int)sizeof text)) return n;
    if (*s < '0' || *s > '9') return n;                     /* "max 100000" */
    s = tg__system_number(s, &quota);
    if (*s == ' ') s++;
    tg__system_number(s, &period);
    if (period <= 0 || quota <= 0) return n;
    quota = (quota + period - 1) / period;
    return quota < n ? (int)quota : n;
}
#endif
#endif
TG__PRIVATE int tg__cpu_any(bool physical) {
    long n = 0;
#if defined(TG__LINUX64)
    uint64_t mask[TG__CPU_WORDS];
    int i;
    memset(mask, 0, sizeof mask);
    if (tg__libc_sched_getaffinity(0, sizeof mask, mask) >= 0)
        for (i = 0; i < TG__CPU_WORDS * 64; i++) {
            if (!(mask[i / 64] >> (i % 64) & 1)) continue;
#if TG__HAS_FILES
            if (physical && !tg__cpu_first(mask, i)) continue;
#endif
            n++;
        }
#elif defined(__APPLE__)
    int cores = 0;
    size_t size = sizeof cores;
    if (sysctlbyname(physical ? "hw.physicalcpu" : "hw.logicalcpu", &cores, &size, NULL, 0) == 0) n = cores;
#endif
    (void)physical;
    if (n < 1) n = sysconf(_SC_NPROCESSORS_ONLN);
    if (n < 1) n = 1;
    if (n > 4096) n = 4096;
#if defined(TG__LINUX64) && TG__HAS_FILES
    if (physical) n = tg__cpu_quota((int)n);
#endif
    return (int)n;
}
TG__PRIVATE int tg__cpu_logical(void) {
    int saved = errno, n = tg__cpu_any(false);
    errno = saved;
    return n;
}
TG__PRIVATE int tg__cpu_count(void) {
    int saved = errno, n = tg__cpu_any(true);
    errno = saved;
    return n;
}
#else
TG__PRIVATE int tg__cpu_count(void) { return 1; }
#endif

/* ------------------------------------------------------------------------------- threads ----
   A pool of n - 1 workers and the caller. tg__pool_run(pool, count, body, arg) calls body(arg, i) for every
   i, in any order, and returns when all are done; one thread at a time may call it; called from inside a body
   it runs in line. pool NULL is allowed and runs in line.

   How it works. `state` is one word: how many workers are inside the job, whether it is open, its generation.
   The caller fills the job in while it is closed and nobody is inside, then opens it by one atomic add. A
   worker enters by a compare-and-swap that counts it in, which cannot succeed once the job is closed; so the
   caller needs to wait only for workers that really came, and one that sleeps, or was never given a
   processor, costs nothing. All take tickets from `next`. When the tickets are gone the caller closes the job
   and waits for the count to fall to 0.

   Sleeping. A worker counts itself in `sleepers`, then looks at state again, then waits; the caller changes
   state, then looks at sleepers. All four are sequentially consistent, so one of the two sees the other; the
   mutex, held by the worker from its count to its wait, makes the caller's signal come after the wait began.
   The caller's own wait for the last worker is the same with `waiting`. */
enum { TG__POOL_OK, TG__POOL_UNSUPPORTED, TG__POOL_NEEDS_PTHREAD, TG__POOL_NO_MEMORY, TG__POOL_SYSTEM };

typedef struct tg__pool tg__pool;

#if !TG__HAS_POOL
TG__PRIVATE tg__pool *tg__pool_open(tg__mem *m, int n, int *code) {
    (void)m; (void)n;
    *code = TG__POOL_UNSUPPORTED;
    return NULL;
}
TG__PRIVATE void tg__pool_free(tg__pool *p) { (void)p; }
TG__PRIVATE void tg__pool_run(tg__pool *p, int64_t count, void (*body)(void *arg, int64_t i), void *arg) {
    int64_t i;
    (void)p;
    for (i = 0; i < count; i++) body(arg, i);
}
#else

#define TG__POOL_COUNT   0x3ffu             /* workers inside the job */
#define TG__POOL_IS_OPEN 0x400u
#define TG__POOL_IS_END  0x800u             /* new to every worker: round numbers come again after 2^20 rounds of sleep */
#define TG__POOL_ROUND   0x1000u            /* one generation */
#define TG__POOL_ROUNDS  0xfffff000u
#define TG__POOL_STACK   ((size_t)256 << 10)
#define TG__POOL_SPIN    20e-6              /* seconds a worker looks out for the next job before it sleeps */

#if defined(TG__OS_WINDOWS)
typedef HANDLE             tg__thread;
typedef SRWLOCK            tg__lock;
typedef CONDITION_VARIABLE tg__cond;
#else
typedef pthread_t          tg__thread;
typedef pthread_mutex_t    tg__lock;
typedef pthread_cond_t     tg__cond;
#endif

struct tg__pool {
    volatile uint32_t state;                /* the three words that threads fight over have a cache line each */
    char pad0[124];
    volatile uint32_t next;                 /* tickets handed out */
    char pad1[124];
    volatile uint32_t sleepers, waiting;
    char pad2[120];
    void (*body)(void *arg, int64_t i);     /* the job; NULL tells the workers to end */
    void *arg;
    int64_t count, grain;                   /* a ticket stands for `grain` indices */
    uint32_t tickets;
    bool busy;
    int n, spins;                           /* threads with the caller; pauses before sleeping */
    long pid;
    size_t size;
    tg__mem mem;
    tg__lock lock;
    tg__cond wake, done;
    tg__thread *threads;                    /* [n - 1], behind this struct */
};

TG__PRIVATE void tg__pause(void) {
#if defined(_MSC_VER) && !defined(__clang__)
    YieldProcessor();
#elif defined(TG__ON_X86)
    __asm__ __volatile__("pause");
#elif defined(TG__ON_ARM64)
    /* yield is a no-op on most cores; this waits about as long as x86's pause */
    __asm__ __volatile__("isb");
#endif
}

#if defined(TG__OS_WINDOWS)
TG__PRIVATE void tg__pool_lock(tg__pool *p)   { AcquireSRWLockExclusive(&p->lock); }
TG__PRIVATE void tg__pool_unlock(tg__pool *p) { ReleaseSRWLockExclusive(&p->lock); }
TG__PRIVATE void tg__pool_wait(tg__pool *p, tg__cond *c) { SleepConditionVariableSRW(c, &p->lock, INFINITE, 0); }
TG__PRIVATE void tg__pool_signal(tg__cond *c, bool all) {
    if (all) WakeAllConditionVariable(c); else WakeConditionVariable(c);
}
#else
#if TG__WEAK_PTHREAD
  #define TG__PTHREAD(name) tg__libc_##name
  #define TG__PTHREAD_WEAK(name) static __typeof__(name) tg__libc_##name __attribute__((weakref(#name)))
TG__PTHREAD_WEAK(pthread_create);
TG__PTHREAD_WEAK(pthread_join);
TG__PTHREAD_WEAK(pthread_attr_init);
TG__PTHREAD_WEAK(pthread_attr_destroy);
TG__PTHREAD_WEAK(pthread_attr_setstacksize);
TG__PTHREAD_WEAK(pthread_mutex_init);
TG__PTHREAD_WEAK(pthread_mutex_destroy);
TG__PTHREAD_WEAK(pthread_mutex_lock);
TG__PTHREAD_WEAK(pthread_mutex_unlock);
TG__PTHREAD_WEAK(pthread_cond_init);
TG__PTHREAD_WEAK(pthread_cond_destroy);
TG__PTHREAD_WEAK(pthread_cond_wait);
TG__PTHREAD_WEAK(pthread_cond_signal);
TG__PTHREAD_WEAK(pthread_cond_broadcast);
#else
  #define TG__PTHREAD(name) name
#endif
TG__PRIVATE void tg__pool_lock(tg__pool *p)   { TG__PTHREAD(pthread_mutex_lock)(&p->lock); }
TG__PRIVATE void tg__pool_unlock(tg__pool *p) { TG__PTHREAD(pthread_mutex_unlock)(&p->lock); }
TG__PRIVATE void tg__pool_wait(tg__pool *p, tg__cond *c) { TG__PTHREAD(pthread_cond_wait)(c, &p->lock); }
TG__PRIVATE void tg__pool_signal(tg__cond *c, bool all) {
    if (all) TG__PTHREAD(pthread_cond_broadcast)(c); else TG__PTHREAD(pthread_cond_signal)(c);
}
#endif

TG__PRIVATE int tg__pool_support(void) {
#if TG__WEAK_PTHREAD
    if (!TG__PTHREAD(pthread_create) || !TG__PTHREAD(pthread_join) || !TG__PTHREAD(pthread_attr_init) ||
        !TG__PTHREAD(pthread_attr_destroy) || !TG__PTHREAD(pthread_attr_setstacksize) ||
        !TG__PTHREAD(pthread_mutex_init) || !TG__PTHREAD(pthread_mutex_destroy) ||
        !TG__PTHREAD(pthread_mutex_lock) || !TG__PTHREAD(pthread_mutex_unlock) ||
        !TG__PTHREAD(pthread_cond_init) || !TG__PTHREAD(pthread_cond_destroy) || !TG__PTHREAD(pthread_cond_wait) ||
        !TG__PTHREAD(pthread_cond_signal) || !TG__PTHREAD(pthread_cond_broadcast)) return TG__POOL_NEEDS_PTHREAD;
#endif
    return TG__POOL_OK;
}

/* Takes tickets until none are left. More than 2^30 indices go out in runs, so that 32 bits count them. */
TG__PRIVATE void tg__pool_take(tg__pool *p) {
    uint32_t ticket;
    int64_t i, end;
    while ((ticket = tg__atomic_add(&p->next, 1u) - 1u) < p->tickets) {
        i = (int64_t)ticket * p->grain;
        end = p->count - i > p->grain ? i + p->grain : p->count;
        for (; i < end; i++) p->body(p->arg, i);
    }
}

TG__PRIVATE bool tg__pool_is_new(uint32_t state, uint32_t seen) {
    return (state & TG__POOL_IS_OPEN) != 0 && ((state & TG__POOL_ROUNDS) != seen || (state & TG__POOL_IS_END) != 0);
}

TG__PRIVATE void tg__pool_worker(tg__pool *p) {
    uint32_t seen = 0, s = tg__atomic_load(&p->state);
    int idle = 0;
    for (;;) {
        if (tg__pool_is_new(s, seen)) {
            if (!tg__atomic_cas(&p->state, &s, s + 1u)) continue;
            seen = s & TG__POOL_ROUNDS;
            if (!p->body) return;
            tg__pool_take(p);
            s = tg__atomic_add(&p->state, 0u - 1u);
            if ((s & (TG__POOL_IS_OPEN | TG__POOL_COUNT)) == 0 && tg__atomic_load(&p->waiting)) {
                tg__pool_lock(p);
                tg__pool_unlock(p);
                tg__pool_signal(&p->done, false);
            }
            idle = 0;
        } else if (idle < p->spins) {
            idle++;
            tg__pause();
            s = tg__atomic_load(&p->state);
        } else {
            tg__pool_lock(p);
            tg__atomic_add(&p->sleepers, 1u);
            while (s = tg__atomic_load(&p->state), !tg__pool_is_new(s, seen)) tg__pool_wait(p, &p->wake);
            tg__atomic_add(&p->sleepers, 0u - 1u);
            tg__pool_unlock(p);
            idle = 0;
        }
    }
}

#if defined(TG__OS_WINDOWS)
TG__PRIVATE DWORD WINAPI tg__pool_main(void *p) { tg__pool_worker((tg__pool *)p); return 0; }
#else
TG__PRIVATE void *tg__pool_main(void *p) { tg__pool_worker((tg__pool *)p); return NULL; }
#endif

/* fork leaves the child without workers and with a condition variable that still counts them. */
TG__PRIVATE bool tg__pool_is_here(const tg__pool *p) {
#if defined(TG__OS_POSIX)
    return p->pid == (long)getpid();
#else
    return p->pid == 0;
#endif
}

/* Wakes as many sleepers as the job can use beyond those who are awake. */
TG__PRIVATE void tg__pool_wake(tg__pool *p, uint32_t sleepers) {
    uint32_t workers = (uint32_t)p->n - 1u, awake = workers > sleepers ? workers - sleepers : 0;
    uint32_t use = p->tickets - 1u, i;
    if (use <= awake) return;
    use -= awake;
    tg__pool_lock(p);
    tg__pool_unlock(p);
    if (use >= sleepers) { tg__pool_signal(&p->wake, true); return; }
    for (i = 0; i < use; i++) tg__pool_signal(&p->wake, false);
}

TG__PRIVATE void tg__pool_finish(tg__pool *p) {
    int i;
    if ((tg__atomic_add(&p->state, 0u - TG__POOL_IS_OPEN) & TG__POOL_COUNT) == 0) return;
    for (i = 0; i / 4 < p->spins; i++) {        /* longer than the workers: these are at work and soon done */
        if ((tg__atomic_load(&p->state) & TG__POOL_COUNT) == 0) return;
        tg__pause();
    }
    tg__pool_lock(p);
    tg__atomic_add(&p->waiting, 1u);
    while (tg__atomic_load(&p->state) & TG__POOL_COUNT) tg__pool_wait(p, &p->done);
    tg__atomic_add(&p->waiting, 0u - 1u);
    tg__pool_unlock(p);
}

TG__PRIVATE void tg__pool_run(tg__pool *p, int64_t count, void (*body)(void *arg, int64_t i), void *arg) {
    uint32_t sleepers;
    int64_t i;
    if (count < 1) return;
    if (!p || p->n < 2 || count == 1 || p->busy) {
        for (i = 0; i < count; i++) body(arg, i);
        return;
    }
    p->busy = true;
    p->body = body;
    p->arg = arg;
    p->count = count;
    p->grain = (count - 1) / ((int64_t)1 << 30) + 1;
    p->tickets = (uint32_t)((count - 1) / p->grain + 1);
    tg__atomic_store(&p->next, 0u);
    tg__atomic_add(&p->state, TG__POOL_ROUND | TG__POOL_IS_OPEN);
    sleepers = tg__atomic_load(&p->sleepers);
    if (sleepers) {
        if (tg__pool_is_here(p)) tg__pool_wake(p, sleepers);
        else p->n = 1;
    }
    tg__pool_take(p);
    tg__pool_finish(p);
    p->busy = false;
}


/* TG__POOL_SPIN in pauses, whose length differs tenfold between processors. More threads than processors do
   not spin: they would stand in the way of those who work. */
TG__PRIVATE int tg__pool_spins(int n) {
    int i, spins = 1000;
    double t;
    if (n > tg__cpu_logical()) return 1;
    t = tg__seconds();
    for (i = 0; i < 256; i++) tg__pause();
    t = tg__seconds() - t;
    if (t > 0) t = TG__POOL_SPIN * 256 / t;
    if (t > 0) spins = t < 100 ? 100 : t > 20000 ? 20000 : (int)t;
    return spins;
}

#if defined(TG__OS_WINDOWS)
TG__PRIVATE int tg__pool_start(tg__pool *p, int n) {
    int made = 0;
    for (; made < n; made++) {
        p->threads[made] = CreateThread(NULL, TG__POOL_STACK, tg__pool_main, p,
                                        STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
        if (!p->threads[made]) break;
    }
    return made;
}
TG__PRIVATE void tg__pool_join(tg__thread t) { WaitForSingleObject(t, INFINITE); CloseHandle(t); }
#else
/* The host's signals are for the host's threads, which have the stack for them: workers block all but faults and
   SIGPROF. -std=c99 hides sigset_t, so on Linux the set is written by hand. */
#if defined(TG__LINUX64) && (defined(__x86_64__) || defined(__aarch64__) || defined(__riscv) || \
                             defined(__powerpc64__) || defined(__s390x__) || defined(__loongarch__))
  #define TG__OWN_SIGMASK 1
typedef struct tg__signals { unsigned long set[16]; } tg__signals;
#if TG__GLIBC_VERSION >= 232
TG__LIBC_STRONG(int, pthread_sigmask, (int how, const tg__signals *set, tg__signals *old));
#else
TG__LIBC_WEAK(int, pthread_sigmask, (int how, const tg__signals *set, tg__signals *old));
#endif
TG__PRIVATE bool tg__signals_block(tg__signals *old) {
    tg__signals all;
    memset(&all, 0xff, sizeof all);
    all.set[0] &= ~(1ul << (SIGILL - 1) | 1ul << (SIGFPE - 1) | 1ul << (SIGSEGV - 1));
    all.set[0] &= ~(1ul << (5 - 1) | 1ul << (7 - 1) | 1ul << (27 - 1));     /* SIGTRAP, SIGBUS, SIGPROF */
#if TG__GLIBC_VERSION < 232
    if (!tg__libc_pthread_sigmask) return false;
#endif
    return tg__libc_pthread_sigmask(2, &all, old) == 0;                     /* 2: SIG_SETMASK */
}
TG__PRIVATE void tg__signals_back(const tg__signals *old) { tg__libc_pthread_sigmask(2, old, NULL); }
#elif defined(SIG_SETMASK) && !TG__WEAK_PTHREAD
  #define TG__OWN_SIGMASK 1
typedef sigset_t tg__signals;
TG__PRIVATE bool tg__signals_block(tg__signals *old) {
    sigset_t all;
    sigfillset(&all);
    sigdelset(&all, SIGILL);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGSEGV);
    return pthread_sigmask(SIG_SETMASK, &all, old) == 0;
}
TG__PRIVATE void tg__signals_back(const tg__signals *old) { pthread_sigmask(SIG_SETMASK, old, NULL); }
#endif

TG__PRIVATE int tg__pool_start(tg__pool *p, int n) {
    int made = 0, large = 0, failed = 0;
    pthread_attr_t attr;
#if defined(TG__OWN_SIGMASK)
    tg__signals old;
    bool blocked = tg__signals_block(&old);
#endif
    if (TG__PTHREAD(pthread_attr_init)(&attr) == 0) {
        /* old glibc takes the host's thread-local storage out of the stack and refuses when too little is left */
        for (; made < n && large < 3; ) {
            failed = TG__PTHREAD(pthread_attr_setstacksize)(&attr, TG__POOL_STACK << (4 * large));
            if (!failed) failed = TG__PTHREAD(pthread_create)(&p->threads[made], &attr, tg__pool_main, p);
            if (!failed) made++;
            else if (failed == EINVAL) large++;
            else break;
        }
        TG__PTHREAD(pthread_attr_destroy)(&attr);
    }
#if defined(TG__OWN_SIGMASK)
    if (blocked) tg__signals_back(&old);
#endif
    return made;
}
TG__PRIVATE void tg__pool_join(tg__thread t) { TG__PTHREAD(pthread_join)(t, NULL); }
#endif

TG__PRIVATE void tg__pool_end(tg__pool *p, int made) {
    tg__mem mem = p->mem;
    int i;
    if (tg__pool_is_here(p)) {
        p->body = NULL;
        /* stays open: all must come and read NULL */
        tg__atomic_add(&p->state, TG__POOL_IS_END | TG__POOL_IS_OPEN);
        tg__pool_lock(p);
        tg__pool_unlock(p);
        tg__pool_signal(&p->wake, true);
        for (i = 0; i < made; i++) tg__pool_join(p->threads[i]);
#if defined(TG__OS_POSIX)
        TG__PTHREAD(pthread_cond_destroy)(&p->wake);
        TG__PTHREAD(pthread_cond_destroy)(&p->done);
        TG__PTHREAD(pthread_mutex_destroy)(&p->lock);
#endif
    }
    mem.release(mem.user, p, p->size, 128);
}

TG__PRIVATE void tg__pool_free(tg__pool *p) {
    if (p) tg__pool_end(p, (int)(p->size - sizeof *p) / (int)sizeof(tg__thread));
}

/* n threads with the caller, 1 to 1000. NULL and a code when it cannot be. */
TG__PRIVATE tg__pool *tg__pool_open(tg__mem *m, int n, int *code) {
    size_t size;
    tg__pool *p;
    int made;
#if defined(TG__OS_POSIX)
    int saved = errno;
#endif
    *code = tg__pool_support();
    if (*code != TG__POOL_OK) return NULL;
    if (n < 1) n = 1;
    if (n > 1000) n = 1000;
    size = sizeof *p + ((size_t)n - 1) * sizeof(tg__thread);
    p = (tg__pool *)m->alloc(m->user, size, 128);
    *code = TG__POOL_NO_MEMORY;
    if (!p) return NULL;
    memset(p, 0, size);
    p->mem = *m;
    p->size = size;
    p->n = n;
    p->threads = (tg__thread *)(void *)(p + 1);
    *code = TG__POOL_SYSTEM;
#if defined(TG__OS_WINDOWS)
    InitializeSRWLock(&p->lock);
    InitializeConditionVariable(&p->wake);
    InitializeConditionVariable(&p->done);
#else
    p->pid = (long)getpid();
    if (TG__PTHREAD(pthread_mutex_init)(&p->lock, NULL) != 0 ||
        TG__PTHREAD(pthread_cond_init)(&p->wake, NULL) != 0 ||
        TG__PTHREAD(pthread_cond_init)(&p->done, NULL) != 0) {
        m->release(m->user, p, size, 128);
        errno = saved;
        return NULL;
    }
#endif
    p->spins = tg__pool_spins(n);
    made = tg__pool_start(p, n - 1);
    if (made < n - 1) { tg__pool_end(p, made); p = NULL; }
    else *code = TG__POOL_OK;
#if defined(TG__OS_POSIX)
    errno = saved;
#endif
    return p;
}
#endif

/* --------------------------------------------------------------------------------- files ----
   tg__file_read takes a whole regular file into one block (*size bytes, alignment TG__FILE_ALIGN; NULL when
   empty) that the caller gives back with m->release. The writer never harms the old file: it writes a file
   beside it (".tg-xxxxxxxx.tmp" in the same directory, created exclusively), syncs, and renames. tg__file is
   the caller's; commit and discard end it. After an error every further call returns that error, and commit
   removes what was begun. A symbolic link as target is replaced, not followed. Every write is a system call:
   gather small pieces first. */
#if TG__HAS_FILES
enum { TG__FILE_OK, TG__FILE_NOT_FOUND, TG__FILE_DENIED, TG__FILE_NOT_REGULAR, TG__FILE_TOO_LARGE,
       TG__FILE_NO_MEMORY, TG__FILE_IO, TG__FILE_FULL, TG__FILE_BAD_NAME };
#define TG__FILE_ALIGN 64

#if defined(TG__OS_WINDOWS)
typedef wchar_t tg__path_char;
typedef HANDLE  tg__file_handle;
#define TG__FILE_NONE INVALID_HANDLE_VALUE
#else
typedef char    tg__path_char;
typedef int     tg__file_handle;
#define TG__FILE_NONE (-1)
#endif

typedef struct tg__file {
    tg__mem *mem;
    tg__file_handle handle;
    int code;                               /* the first error */
    uint64_t written;
    tg__path_char *path, *temp;             /* in `own`, or one block of `block` bytes */
    size_t block;
    tg__path_char own[256];
} tg__file;

/* ---- what differs between systems: open, size, read, write, sync, rename ---- */
#if defined(TG__OS_WINDOWS)
typedef DWORD tg__file_saved;
TG__PRIVATE tg__file_saved tg__file_save(void) { return GetLastError(); }
TG__PRIVATE void tg__file_back(tg__file_saved e) { SetLastError(e); }

TG__PRIVATE int tg__file_why(void) {
    switch (GetLastError()) {
    case ERROR_FILE_NOT_FOUND: case ERROR_PATH_NOT_FOUND: case ERROR_INVALID_DRIVE: case ERROR_BAD_NETPATH:
        return TG__FILE_NOT_FOUND;
    case ERROR_ACCESS_DENIED: case ERROR_SHARING_VIOLATION: case ERROR_WRITE_PROTECT: return TG__FILE_DENIED;
    case ERROR_INVALID_NAME: case ERROR_BAD_PATHNAME: case ERROR_FILENAME_EXCED_RANGE: return TG__FILE_BAD_NAME;
    case ERROR_DISK_FULL: case ERROR_HANDLE_DISK_FULL: return TG__FILE_FULL;
    case ERROR_NOT_ENOUGH_MEMORY: case ERROR_OUTOFMEMORY: return TG__FILE_NO_MEMORY;
    default: return TG__FILE_IO;
    }
}
TG__PRIVATE int tg__file_close(tg__file_handle h) { return CloseHandle(h) ? TG__FILE_OK : tg__file_why(); }

TG__PRIVATE int tg__file_open(const tg__path_char *path, tg__file_handle *h, uint64_t *size) {
    DWORD kind = GetFileAttributesW(path);
    LARGE_INTEGER bytes;
    if (kind == INVALID_FILE_ATTRIBUTES) return tg__file_why();
    if (kind & (FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_DEVICE)) return TG__FILE_NOT_REGULAR;
    *h = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
        OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
    if (*h == INVALID_HANDLE_VALUE) return tg__file_why();
    if (GetFileType(*h) != FILE_TYPE_DISK) { CloseHandle(*h); return TG__FILE_NOT_REGULAR; }
    if (!GetFileSizeEx(*h, &bytes) || bytes.QuadPart < 0) { CloseHandle(*h); return TG__FILE_IO; }
    *size = (uint64_t)bytes.QuadPart;
    return TG__FILE_OK;
}
/* *got bytes were moved; 0 at the end of the file */
TG__PRIVATE int tg__file_get(tg__file_handle h, void *data, size_t size, size_t *got) {
    DWORD done = 0;
    if (!ReadFile(h, data, size > (1u << 30) ? 1u << 30 : (DWORD)size, &done, NULL)) return tg__file_why();
    *got = done;
    return TG__FILE_OK;
}
TG__PRIVATE int tg__file_put(tg__file_handle h, const void *data, size_t size, size_t *put) {
    DWORD done = 0;
    if (!WriteFile(h, data, size > (1u << 30) ? 1u << 30 : (DWORD)size, &done, NULL)) return tg__file_why();
    *put = done;
    return TG__FILE_OK;
}
TG__PRIVATE int tg__file_sync(tg__file_handle h) { return FlushFileBuffers(h) ? TG__FILE_OK : tg__file_why(); }
TG__PRIVATE void tg__file_remove(const tg__path_char *path) { DeleteFileW(path); }
TG__PRIVATE int tg__file_replace(tg__path_char *temp, tg__path_char *path) {
    return MoveFileExW(temp, path, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH)
        ? TG__FILE_OK : tg__file_why();
}
/* May `path` be replaced? *mode is handed to tg__file_make. */
TG__PRIVATE int tg__file_target(const tg__path_char *path, unsigned *mode) {
    DWORD kind = GetFileAttributesW(path);
    *mode = 0;
    if (kind == INVALID_FILE_ATTRIBUTES)
        return tg__file_why() == TG__FILE_BAD_NAME ? TG__FILE_BAD_NAME : TG__FILE_OK;
    if (kind & (FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_DEVICE)) return TG__FILE_NOT_REGULAR;
    return kind & FILE_ATTRIBUTE_READONLY ? TG__FILE_DENIED : TG__FILE_OK;
}
TG__PRIVATE int tg__file_make(const tg__path_char *path, unsigned mode, tg__file_handle *h, bool *taken) {
    (void)mode;
    *h = CreateFileW(path, GENERIC_WRITE, 0, NULL, CREATE_NEW, FILE_ATTRIBUTE_NORMAL, NULL);
    *taken = *h == INVALID_HANDLE_VALUE && GetLastError() == ERROR_FILE_EXISTS;
    return *h == INVALID_HANDLE_VALUE ? tg__file_why() : TG__FILE_OK;
}
TG__PRIVATE uint32_t tg__file_seed(void) {
    LARGE_INTEGER t;
    t.QuadPart = 0;
    QueryPerformanceCounter(&t);
    return (uint32_t)t.QuadPart ^ (uint32_t)GetCurrentProcessId() * 0x9e3779b9u ^
           (uint32_t)GetCurrentThreadId() * 0x85ebca6bu;
}
/* UTF-8 to the system's characters. With out NULL: how many there are, the closing 0 included; 0: not UTF-8. */
TG__PRIVATE size_t tg__path_convert(const char *path, tg__path_char *out, size_t cap) {
    int n = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, out, out ? (int)cap : 0);
    return n > 0 ? (size_t)n : 0;
}
TG__PRIVATE bool tg__path_cut(tg__path_char c) { return c == '/' || c == '\\' || c == ':'; }
#else
typedef int tg__file_saved;
TG__PRIVATE tg__file_saved tg__file_save(void) { return errno; }
TG__PRIVATE void tg__file_back(tg__file_saved e) { errno = e; }

TG__PRIVATE int tg__file_why(void) {
    switch (errno) {
    case ENOENT: case ENOTDIR: return TG__FILE_NOT_FOUND;
    case EACCES: case EPERM: case EROFS: return TG__FILE_DENIED;
    case EISDIR: case ENXIO: case ENODEV: return TG__FILE_NOT_REGULAR;
    case EFBIG: case EOVERFLOW: return TG__FILE_TOO_LARGE;
    case ENOMEM: return TG__FILE_NO_MEMORY;
    case ENOSPC: return TG__FILE_FULL;
#if defined(EDQUOT)
    case EDQUOT: return TG__FILE_FULL;
#endif
    case ENAMETOOLONG: case EILSEQ: return TG__FILE_BAD_NAME;
    default: return TG__FILE_IO;
    }
}
/* close after EINTR has closed on Linux and is not to be repeated anywhere */
TG__PRIVATE int tg__file_close(tg__file_handle h) {
    return close(h) == 0 || errno == EINTR ? TG__FILE_OK : tg__file_why();
}

/* open that starts again after a signal and does not reach programs the host may start */
TG__PRIVATE int tg__file_open_raw(const char *path, int flags, unsigned mode) {
    int h;
#if defined(O_CLOEXEC)
    flags |= O_CLOEXEC;
#endif
#if defined(O_LARGEFILE)
    flags |= O_LARGEFILE;
#endif
#if defined(O_NOCTTY)
    flags |= O_NOCTTY;
#endif
    do h = open(path, flags, mode); while (h < 0 && errno == EINTR);
#if !defined(O_CLOEXEC)
    if (h >= 0) (void)fcntl(h, F_SETFD, FD_CLOEXEC);
#endif
    return h;
}
/* stat first: merely opening a device can do something; fstat after: it may have been exchanged; O_NONBLOCK:
   a FIFO */
TG__PRIVATE int tg__file_open(const tg__path_char *path, tg__file_handle *h, uint64_t *size) {
    struct stat st;
    if (stat(path, &st) != 0) return tg__file_why();
    if (!S_ISREG(st.st_mode)) return TG__FILE_NOT_REGULAR;
    *h = tg__file_open_raw(path, O_RDONLY | O_NONBLOCK, 0);
    if (*h < 0) return tg__file_why();
    if (fstat(*h, &st) != 0) { int code = tg__file_why(); close(*h); return code; }
    if (!S_ISREG(st.st_mode) || st.st_size < 0) { close(*h); return TG__FILE_NOT_REGULAR; }
    *size = (uint64_t)st.st_size;
    return TG__FILE_OK;
}
TG__PRIVATE int tg__file_get(tg__file_handle h, void *data, size_t size, size_t *got) {
    ssize_t n;
    if (size > (size_t)1 << 30) size = (size_t)1 << 30;
    do n = read(h, data, size); while (n < 0 && errno == EINTR);
    if (n < 0) return tg__file_why();
    *got = (size_t)n;
    return TG__FILE_OK;
}
TG__PRIVATE int tg__file_put(tg__file_handle h, const void *data, size_t size, size_t *put) {
    ssize_t n;
    if (size > (size_t)1 << 30) size = (size_t)1 << 30;
    do n = write(h, data, size); while (n < 0 && errno == EINTR);
    if (n < 0) return tg__file_why();
    *put = (size_t)n;
    return TG__FILE_OK;
}
TG__PRIVATE int tg__file_sync(tg__file_handle h) {
    int r;
    do r = fsync(h); while (r != 0 && errno == EINTR);
    /* some file systems cannot */
    return r == 0 || errno == EINVAL || errno == ENOSYS ? TG__FILE_OK : tg__file_why();
}
TG__PRIVATE void tg__file_remove(const tg__path_char *path) { (void)unlink(path); }
/* The directory holds the new name; without its sync a power cut may bring the old file back, which is no
   damage. */
TG__PRIVATE void tg__file_sync_dir(char *path) {
    char *end = path + strlen(path), cut;
    int h;
    while (end > path && end[-1] != '/') end--;
    cut = *end;
    *end = 0;
    h = tg__file_open_raw(end > path ? path : ".", O_RDONLY | O_NONBLOCK, 0);
    *end = cut;
    if (h < 0) return;
    (void)tg__file_sync(h);
    close(h);
}
TG__PRIVATE int tg__file_replace(tg__path_char *temp, tg__path_char *path) {
    if (rename(temp, path) != 0) return tg__file_why();
    tg__file_sync_dir(path);
    return TG__FILE_OK;
}
/* rename would happily replace /dev/null, or a file that is marked read-only */
TG__PRIVATE int tg__file_target(const tg__path_char *path, unsigned *mode) {
    struct stat st;
    *mode = 0666;
    if (stat(path, &st) != 0) return errno == ENOENT ? TG__FILE_OK : tg__file_why();
    if (!S_ISREG(st.st_mode)) return TG__FILE_NOT_REGULAR;
    *mode = (unsigned)st.st_mode & 0777u;
    return access(path, W_OK) == 0 ? TG__FILE_OK : tg__file_why();
}
TG__PRIVATE int tg__file_make(const tg__path_char *path, unsigned mode, tg__file_handle *h, bool *taken) {
    *h = tg__file_open_raw(path, O_WRONLY | O_CREAT | O_EXCL, mode | 0600u);
    *taken = *h < 0 && errno == EEXIST;
    return *h < 0 ? tg__file_why() : TG__FILE_OK;
}
TG__PRIVATE uint32_t tg__file_seed(void) {
    uint32_t here = 0;
    double t = tg__seconds() * 1e6;
#if !defined(__wasi__)
    here = (uint32_t)getpid();
#endif
    return here * 0x9e3779b9u ^ (uint32_t)(uint64_t)t;
}
TG__PRIVATE size_t tg__path_convert(const char *path, tg__path_char *out, size_t cap) {
    size_t n = strlen(path) + 1;
    if (out && n <= cap) memcpy(out, path, n);
    return n;
}
TG__PRIVATE bool tg__path_cut(tg__path_char c) { return c == '/'; }
#endif

/* ---- the same everywhere ---- */
TG__PRIVATE int tg__file_read_block(tg__mem *m, tg__file_handle h, uint64_t bytes, void **data, size_t *size) {
    size_t done = 0, got = 0;
    int code = TG__FILE_OK;
    void *p;
    if (bytes == 0) return TG__FILE_OK;
    if (bytes > (uint64_t)(SIZE_MAX / 2)) return TG__FILE_TOO_LARGE;
    p = m->alloc(m->user, (size_t)bytes, TG__FILE_ALIGN);
    if (!p) return TG__FILE_NO_MEMORY;
    while (done < (size_t)bytes && code == TG__FILE_OK) {
        code = tg__file_get(h, (char *)p + done, (size_t)bytes - done, &got);
        if (code == TG__FILE_OK && got == 0) code = TG__FILE_IO;            /* somebody made it shorter */
        done += got;
    }
    if (code != TG__FILE_OK) { m->release(m->user, p, (size_t)bytes, TG__FILE_ALIGN); return code; }
    *data = p;
    *size = (size_t)bytes;
    return TG__FILE_OK;
}

/* The path in the system's characters: in `own` if it fits, else in a block of *block bytes. Room for `more`
   characters. */
TG__PRIVATE int tg__path_make(tg__mem *m, const char *path, size_t more, tg__path_char *own, size_t cap,
                              tg__path_char **out, size_t *count, size_t *block) {
    *block = 0;
    *out = own;
    *count = path && *path ? tg__path_convert(path, NULL, 0) : 0;
    if (*count == 0 || *count > (size_t)1 << 16) return TG__FILE_BAD_NAME;
    if (*count * 2 + more > cap) {              /* twice: the name beside has the same directory */
        *block = (*count * 2 + more) * sizeof **out;
        *out = (tg__path_char *)m->alloc(m->user, *block, 16);
        if (!*out) { *block = 0; return TG__FILE_NO_MEMORY; }
    }
    return tg__path_convert(path, *out, *count) == *count ? TG__FILE_OK : TG__FILE_BAD_NAME;
}

TG__PRIVATE int tg__file_read(tg__mem *m, const char *path_utf8, uint64_t limit, void **data, size_t *size) {
    tg__file_saved saved = tg__file_save();
    tg__path_char own[256], *path;
    tg__file_handle h = TG__FILE_NONE;
    size_t count, block;
    uint64_t bytes = 0;
    int code = tg__path_make(m, path_utf8, 0, own, 256, &path, &count, &block);
    *data = NULL;
    *size = 0;
    if (code == TG__FILE_OK) code = tg__file_open(path, &h, &bytes);
    if (code == TG__FILE_OK) {
        code = bytes > limit ? TG__FILE_TOO_LARGE : tg__file_read_block(m, h, bytes, data, size);
        (void)tg__file_close(h);
    }
    if (block) m->release(m->user, path, block, 16);
    tg__file_back(saved);
    return code;
}

TG__PRIVATE void tg__file_done(tg__file *f) {
    if (f->block) f->mem->release(f->mem->user, f->path, f->block, 16);
    f->block = 0;
    f->path = f->temp = NULL;
}

/* Creates f->temp: its directory, then a name that no one has. */
TG__PRIVATE int tg__file_beside(tg__file *f, unsigned mode) {
    const char *hex = "0123456789abcdef", *model = ".tg-00000000.tmp";
    tg__path_char *name = f->path;
    size_t dir = 0, i;
    uint32_t number = tg__file_seed();
    int tries, code = TG__FILE_IO;
    for (i = 0; name[i]; i++) if (tg__path_cut(name[i])) dir = i + 1;
    if (!name[dir]) return TG__FILE_NOT_REGULAR;                            /* "models/" */
    for (i = 0; i < dir; i++) f->temp[i] = name[i];
    for (i = 0; i < 17; i++) f->temp[dir + i] = (tg__path_char)model[i];
    for (tries = 0; tries < 1000; tries++) {
        bool taken;
        for (i = 0; i < 8; i++) f->temp[dir + 4 + i] = (tg__path_char)hex[number >> (4 * i) & 15u];
        code = tg__file_make(f->temp, mode, &f->handle, &taken);
        if (!taken) return code;
        number = number * 1664525u + 1013904223u;
    }
    return code;
}

TG__PRIVATE int tg__file_create(tg__file *f, tg__mem *m, const char *path_utf8) {
    tg__file_saved saved = tg__file_save();
    size_t count;
    unsigned mode = 0;
    memset(f, 0, sizeof *f);
    f->mem = m;
    f->handle = TG__FILE_NONE;
    f->code = tg__path_make(m, path_utf8, 24, f->own, 256, &f->path, &count, &f->block);
    if (f->code == TG__FILE_OK) {
        f->temp = f->path + count;
        f->code = tg__file_target(f->path, &mode);
    }
    if (f->code == TG__FILE_OK) f->code = tg__file_beside(f, mode);
    if (f->code != TG__FILE_OK) tg__file_done(f);
    tg__file_back(saved);
    return f->code;
}

TG__PRIVATE int tg__file_write(tg__file *f, const void *data, size_t size) {
    tg__file_saved saved = tg__file_save();
    const char *from = (const char *)data;
    size_t put = 0;
    /* after commit or discard */
    if (f->code == TG__FILE_OK && f->handle == TG__FILE_NONE) f->code = TG__FILE_IO;
    while (size && f->code == TG__FILE_OK) {
        f->code = tg__file_put(f->handle, from, size, &put);
        if (f->code != TG__FILE_OK) break;
        if (put == 0) { f->code = TG__FILE_IO; break; }
        from += put;
        size -= put;
        f->written += put;
    }
    tg__file_back(saved);
    return f->code;
}

TG__PRIVATE void tg__file_discard(tg__file *f) {
    tg__file_saved saved = tg__file_save();
    if (f->handle != TG__FILE_NONE) {
        (void)tg__file_close(f->handle);
        f->handle = TG__FILE_NONE;
        tg__file_remove(f->temp);
    }
    tg__file_done(f);
    tg__file_back(saved);
}

TG__PRIVATE int tg__file_commit(tg__file *f) {
    tg__file_saved saved = tg__file_save();
    int code;
    if (f->code == TG__FILE_OK && f->handle == TG__FILE_NONE) f->code = TG__FILE_IO;
    if (f->code == TG__FILE_OK) f->code = tg__file_sync(f->handle);
    if (f->code != TG__FILE_OK) {
        tg__file_discard(f);
    } else {
        /* a network drive may refuse only here */
        code = tg__file_close(f->handle);
        f->handle = TG__FILE_NONE;
        if (code == TG__FILE_OK) code = tg__file_replace(f->temp, f->path);
        if (code != TG__FILE_OK) tg__file_remove(f->temp);
        f->code = code;
        tg__file_done(f);
    }
    tg__file_back(saved);
    return f->code;
}
#endif

/* ---------------------------------------------------------------------------- number text ----
   Locale-free, by whole-number arithmetic only, so the host's rounding mode and compiler flags have no say.
   Everything is exact: what is printed shortest reads back as the same bits, fixed and exponent forms round
   the true value half to even, what is read is rounded once. Large natural numbers are little-endian arrays
   of 32-bit limbs without leading zeros; the functions return the new length and the callers' arrays are long
   enough (bounds at each). */
TG__PRIVATE int tg__big_set(uint32_t *d, uint64_t v) {
    d[0] = (uint32_t)v;
    d[1] = (uint32_t)(v >> 32);
    return d[1] ? 2 : d[0] ? 1 : 0;
}
TG__PRIVATE int tg__big_mul(uint32_t *d, int n, uint32_t by, uint32_t plus) {
    uint64_t carry = plus;
    int i;
    for (i = 0; i < n; i++) {
        carry += (uint64_t)d[i] * by;
        d[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry) d[n++] = (uint32_t)carry;
    return n;
}
TG__PRIVATE int tg__big_mul_pow5(uint32_t *d, int n, int power) {
    uint32_t rest = 1;
    for (; power >= 13; power -= 13) n = tg__big_mul(d, n, 1220703125u, 0);         /* 5^13 */
    for (; power > 0; power--) rest *= 5;
    return rest > 1 ? tg__big_mul(d, n, rest, 0) : n;
}
TG__PRIVATE int tg__big_shift(uint32_t *d, int n, int bits) {
    int words = bits / 32, i;
    if (n == 0) return 0;
    if (bits % 32) n = tg__big_mul(d, n, (uint32_t)1 << (bits % 32), 0);
    if (words == 0) return n;
    for (i = n - 1; i >= 0; i--) d[i + words] = d[i];
    for (i = 0; i < words; i++) d[i] = 0;
    return n + words;
}
TG__PRIVATE int tg__big_cmp(const uint32_t *a, int na, const uint32_t *b, int nb) {
    int i;
    if (na != nb) return na < nb ? -1 : 1;
    for (i = na - 1; i >= 0; i--) if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
    return 0;
}
TG__PRIVATE int tg__bit_length(uint64_t v) {       /* 0 for 0 */
    int n = 0;
    if (v >> 32) { n += 32; v >>= 32; }
    if (v >> 16) { n += 16; v >>= 16; }
    if (v >> 8) { n += 8; v >>= 8; }
    if (v >> 4) { n += 4; v >>= 4; }
    if (v >> 2) { n += 2; v >>= 2; }
    if (v >> 1) { n += 1; v >>= 1; }
    return n + (int)v;
}
TG__PRIVATE int tg__big_bits(const uint32_t *d, int n) { return n ? 32 * (n - 1) + tg__bit_length(d[n - 1]) : 0; }

/* r = r mod s and returns r / s, known to be below 16. s's top limb has 28 bits, so that the quotient of the
   top limbs is right or 1 too small (R. Juckett, "Printing floating-point numbers", 2014). */
TG__PRIVATE uint32_t tg__big_digit(uint32_t *r, int *nr, const uint32_t *s, int ns) {
    uint32_t q, round;
    int i;
    if (*nr < ns) return 0;
    q = r[ns - 1] / (s[ns - 1] + 1);
    for (round = 0; round < 2; round++) {
        uint32_t by = round ? 1 : q;
        uint64_t take = 0, less = 0;
        if (round && tg__big_cmp(r, *nr, s, ns) < 0) break;
        for (i = 0; i < ns && by; i++) {
            take += (uint64_t)s[i] * by;
            less = (uint64_t)r[i] - (uint32_t)take - less;
            r[i] = (uint32_t)less;
            less = less >> 63;
            take >>= 32;
        }
        while (*nr > 0 && r[*nr - 1] == 0) (*nr)--;
        q += round;
    }
    return q;
}

/* ---- printing ----
   Steele and White's and Dragon4's way: value = r / s, then times 10, whole part, times 10, whole part ... */
#define TG__PRINT_LIMBS 38      /* 2^1078 * 10 and 31 bits to align: 1113 bits are 35 */

typedef struct tg__dragon {
    uint32_t r[TG__PRINT_LIMBS], s[TG__PRINT_LIMBS];
    /* m / s: half the way to the next lower number; 0 if nobody asks */
    uint32_t m[TG__PRINT_LIMBS], t[TG__PRINT_LIMBS];
    int nr, ns, nm;
    int above;                                              /* half the way up is m << above: 1 at a power of two */
} tg__dragon;

/* The sign of (value + half the way up) - 1, that is of r + (m << above) - s. */
TG__PRIVATE int tg__dragon_over(tg__dragon *d) {
    uint64_t carry = 0;
    int i, n = d->nr > d->nm ? d->nr : d->nm;
    if (d->nm == 0) return tg__big_cmp(d->r, d->nr, d->s, d->ns);
    for (i = 0; i < n; i++) {
        carry += (uint64_t)(i < d->nr ? d->r[i] : 0) + ((uint64_t)(i < d->nm ? d->m[i] : 0) << d->above);
        d->t[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry) d->t[n++] = (uint32_t)carry;
    return tg__big_cmp(d->t, n, d->s, d->ns);
}

/* Sets d to f * 2^e / 10^k, f > 0, and returns the k for which that is below 1 and the next digit is not 0. */
TG__PRIVATE int tg__dragon_start(tg__dragon *d, uint64_t f, int e, bool gaps, bool narrow) {
    int64_t x = (int64_t)(e + tg__bit_length(f) - 1) * 1292913986;                  /* log10(2) * 2^32 */
    /* floor; at times 1 too small */
    int k = (int)(x >= 0 ? x / 4294967296 : -((-x + 4294967295) / 4294967296)) + 1;
    int c, align;
    d->above = narrow ? 1 : 0;
    d->nr = tg__big_shift(d->r, tg__big_set(d->r, f), (e > 0 ? e : 0) + 2);
    d->nm = tg__big_shift(d->m, tg__big_set(d->m, gaps), (e > 0 ? e : 0) + (narrow ? 0 : 1));
    d->ns = tg__big_shift(d->s, tg__big_set(d->s, 1), (e < 0 ? -e : 0) + 2);
    if (k >= 0) {
        d->ns = tg__big_shift(d->s, tg__big_mul_pow5(d->s, d->ns, k), k);
    } else {
        d->nr = tg__big_shift(d->r, tg__big_mul_pow5(d->r, d->nr, -k), -k);
        d->nm = tg__big_shift(d->m, tg__big_mul_pow5(d->m, d->nm, -k), -k);
    }
    c = tg__dragon_over(d);
    if (c > 0 || (c == 0 && (!gaps || (f & 1) == 0))) { d->ns = tg__big_mul(d->s, d->ns, 10, 0); k++; }
    align = (60 - tg__big_bits(d->s, d->ns) % 32) % 32;
    d->nr = tg__big_shift(d->r, d->nr, align);
    d->nm = tg__big_shift(d->m, d->nm, align);
    d->ns = tg__big_shift(d->s, d->ns, align);
    return k;
}

TG__PRIVATE char tg__dragon_next(tg__dragon *d) {
    d->nr = tg__big_mul(d->r, d->nr, 10, 0);
    d->nm = tg__big_mul(d->m, d->nm, 10, 0);
    return (char)('0' + (int)tg__big_digit(d->r, &d->nr, d->s, d->ns));
}

/* Does what is left round the last digit up? Half to even. */
TG__PRIVATE bool tg__dragon_up(tg__dragon *d, char last) {
    int c;
    d->nr = tg__big_mul(d->r, d->nr, 2, 0);
    c = tg__big_cmp(d->r, d->nr, d->s, d->ns);
    return c > 0 || (c == 0 && (last & 1));         /* '0' is even too */
}

/* Adds one to the last of n digits; true when all were 9: the digits are 100.. then. */
TG__PRIVATE bool tg__digits_up(char *out, int n) {
    while (n > 0 && out[n - 1] == '9') out[--n] = '0';
    if (n > 0) { out[n - 1]++; return false; }
    out[0] = '1';
    return true;
}

/* The fewest digits that read back as f * 2^e, of those the nearest; at most 17. The value is 0.d1d2... *
   10^*point. narrow: the next lower number is only half as far as the next higher one. */
TG__PRIVATE int tg__digits_shortest(uint64_t f, int e, bool narrow, char *out, int *point) {
    tg__dragon d;
    int n = 0;
    bool even = (f & 1) == 0, low, high, up;
    *point = tg__dragon_start(&d, f, e, true, narrow);
    do {
        int below, over;
        out[n++] = tg__dragon_next(&d);
        below = tg__big_cmp(d.r, d.nr, d.m, d.nm);
        over = tg__dragon_over(&d);
        low = below < 0 || (below == 0 && even);        /* the digits so far read back */
        high = over > 0 || (over == 0 && even);         /* the digits so far plus one do */
    } while (!low && !high && n < 20);
    up = low && high ? tg__dragon_up(&d, out[n - 1]) : high;
    if (up && tg__digits_up(out, n)) ++*point;
    while (n > 1 && out[n - 1] == '0') n--;
    return n;
}

/* `want` digits of f * 2^e, or with `places` those up to `want` places behind the point; rounded half to even.
   At least one character of cap stays free. -1: too many. */
TG__PRIVATE int tg__digits_exact(uint64_t f, int e, int64_t want, bool places, char *out, size_t cap, int *point) {
    tg__dragon d;
    int64_t i;
    *point = tg__dragon_start(&d, f, e, false, false);
    if (places) want += *point;
    if (want < 0) return 0;
    if ((uint64_t)want >= cap || want > 0x3fffffff) return -1;
    for (i = 0; i < want; i++) out[i] = d.nr ? tg__dragon_next(&d) : '0';
    if (!tg__dragon_up(&d, want ? out[want - 1] : '0')) return (int)want;
    if (tg__digits_up(out, (int)want)) {
        ++*point;
        if (places) {
            if (want) out[want] = '0';
            want++;
        }
    }
    return (int)want;
}

TG__PRIVATE int tg__print_u64(char *out, uint64_t v) {
    char digits[20];
    int n = 0, i;
    do { digits[n++] = (char)('0' + (int)(v % 10)); v /= 10; } while (v);
    for (i = 0; i < n; i++) out[i] = digits[n - 1 - i];
    out[n] = 0;
    return n;
}

/* All printers close the text with a 0 and return its length without it. Room: 21 for u64 and i64, 32 for
   f64, f32. */
TG__PRIVATE int tg__print_i64(char *out, int64_t v) {
    if (v >= 0) return tg__print_u64(out, (uint64_t)v);
    out[0] = '-';
    return 1 + tg__print_u64(out + 1, 0u - (uint64_t)v);
}

TG__PRIVATE int tg__print_word(char *out, const char *word) {
    size_t n = strlen(word);
    memcpy(out, word, n + 1);
    return (int)n;
}

/* "e-05", "e+16", "e+300": what C and Python print */
TG__PRIVATE int tg__print_power(char *out, int power) {
    int n = 0, size = power < 0 ? -power : power;
    out[n++] = 'e';
    out[n++] = power < 0 ? '-' : '+';
    if (size < 10) out[n++] = '0';
    return n + tg__print_u64(out + n, (uint64_t)size);
}

/* f * 2^e as Python's repr: "1.0", "0.0001", "1e-05", "1.5e+16" */
TG__PRIVATE int tg__print_repr(char *out, uint64_t f, int e, bool narrow) {
    char digits[24];
    int n = 0, i, point = 1, count = 1;
    digits[0] = '0';
    if (f) count = tg__digits_shortest(f, e, narrow, digits, &point);
    if (point < -3 || point > 16) {
        out[n++] = digits[0];
        if (count > 1) out[n++] = '.';
        for (i = 1; i < count; i++) out[n++] = digits[i];
        return n + tg__print_power(out + n, point - 1);
    }
    if (point < 1) out[n++] = '0';
    for (i = 0; i < point; i++) out[n++] = i < count ? digits[i] : '0';
    out[n++] = '.';
    for (i = point; i < 0; i++) out[n++] = '0';
    if (point >= count) out[n++] = '0';
    for (i = point > 0 ? point : 0; i < count; i++) out[n++] = digits[i];
    out[n] = 0;
    return n;
}

/* Takes v apart: |v| = *f * 2^*e. False: an infinity (*f is 0) or NaN. */
TG__PRIVATE bool tg__f64_parts(double v, bool *negative, uint64_t *f, int *e) {
    uint64_t bits;
    int power;
    memcpy(&bits, &v, sizeof bits);
    power = (int)(bits >> 52 & 0x7ff);
    *negative = bits >> 63 != 0;
    *f = bits & 0xfffffffffffff;
    *e = power ? power - 1075 : -1074;
    if (power && power < 0x7ff) *f |= (uint64_t)1 << 52;
    return power < 0x7ff;
}

TG__PRIVATE int tg__print_f64(char *out, double v) {
    bool negative, finite;
    uint64_t f;
    int e, n = 0;
    finite = tg__f64_parts(v, &negative, &f, &e);
    if (!finite && f) return tg__print_word(out, "nan");
    if (negative) out[n++] = '-';
    if (!finite) return n + tg__print_word(out + n, "inf");
    return n + tg__print_repr(out + n, f, e, f == (uint64_t)1 << 52 && e > -1074);
}

TG__PRIVATE int tg__print_f32(char *out, float v) {
    uint32_t bits, f;
    int power, n = 0;
    memcpy(&bits, &v, sizeof bits);
    power = (int)(bits >> 23 & 0xff);
    f = bits & 0x7fffff;
    if (power == 0xff && f) return tg__print_word(out, "nan");
    if (bits >> 31) out[n++] = '-';
    if (power == 0xff) return n + tg__print_word(out + n, "inf");
    if (power) f |= (uint32_t)1 << 23;
    return n + tg__print_repr(out + n, f, power ? power - 150 : -149, f == (uint32_t)1 << 23 && power > 1);
}

/* What the two forms below begin with: takes v apart and writes its sign. True: that was all, for infinities,
   NaN and too little room; *n is the length, or -1. */
TG__PRIVATE bool tg__print_begin(char *out, size_t cap, double v, uint64_t *f, int *e, int *n) {
    bool negative, finite = tg__f64_parts(v, &negative, f, e);
    char text[8];
    *n = 0;
    if (negative && (finite || !*f)) text[(*n)++] = '-';
    text[*n] = 0;
    if (!finite) *n += tg__print_word(text + *n, *f ? "nan" : "inf");
    if ((size_t)*n + (finite ? 1 : 0) < cap) {
        memcpy(out, text, (size_t)*n + 1);
        return !finite;
    }
    if (cap > 0) out[0] = 0;
    *n = -1;
    return true;
}

/* printf's %.<decimals>f, every digit exact. The length, or -1 and an empty text if it does not fit in cap. */
TG__PRIVATE int tg__print_fixed(char *out, size_t cap, double v, int decimals) {
    uint64_t f;
    int e, n, count = 0, point = 0;
    size_t whole, places = decimals > 0 ? (size_t)decimals : 0, total, zeros;
    char *at;
    if (tg__print_begin(out, cap, v, &f, &e, &n)) return n;
    at = out + n;
    cap -= (size_t)n;
    if (f) count = tg__digits_exact(f, e, (int64_t)places, true, at, cap, &point);
    if (f == 0 || count == 0) { count = 0; point = -(int)places; }
    whole = point > 0 ? (size_t)point : 1;
    total = whole + (places ? places + 1 : 0);
    if (count < 0 || total >= cap || total > 0x3fffffff) { out[0] = 0; return -1; }
    if (point > 0) {                                    /* count == point + places: make room for the point */
        memmove(at + whole + 1, at + whole, places);
    } else {                                            /* "0." and zeros before the digits */
        zeros = total - (size_t)count;
        memmove(at + zeros, at, (size_t)count);
        memset(at, '0', zeros);
    }
    if (places) at[whole] = '.';
    at[total] = 0;
    return n + (int)total;
}

/* printf's %.<decimals>e */
TG__PRIVATE int tg__print_exp(char *out, size_t cap, double v, int decimals) {
    uint64_t f;
    int e, n, count, point = 1, tail;
    size_t places = decimals > 0 ? (size_t)decimals : 0;
    char *at, power[8];
    if (tg__print_begin(out, cap, v, &f, &e, &n)) return n;
    at = out + n;
    cap -= (size_t)n;
    if (places + 1 >= cap || places > 0x3ffffff0) { out[0] = 0; return -1; }
    if (f) count = tg__digits_exact(f, e, (int64_t)places + 1, false, at, cap, &point);
    else { memset(at, '0', places + 1); count = (int)places + 1; }
    tail = tg__print_power(power, point - 1);
    if (count < 0 || (size_t)count + (places ? 1u : 0u) + (size_t)tail >= cap) { out[0] = 0; return -1; }
    if (places) {
        memmove(at + 2, at + 1, places);
        at[1] = '.';
        count++;
    }
    memcpy(at + count, power, (size_t)tail + 1);
    return n + count + tail;
}

/* Reads [sign] digits. False, *v untouched: no number at s, or one 64 bits do not hold (then *stop is behind
   it). */
TG__PRIVATE bool tg__parse_i64(const char *s, const char *end, const char **stop, int64_t *v) {
    const char *from = s;
    bool negative = false, fits = true;
    uint64_t w = 0, most;
    if (stop) *stop = s;
    if (s < end && (*s == '-' || *s == '+')) negative = *s++ == '-';
    most = ((uint64_t)1 << 63) - (negative ? 0 : 1);
    for (from = s; s < end && *s >= '0' && *s <= '9'; s++) {
        uint64_t digit = (uint64_t)(*s - '0');
        if (w > (most - digit) / 10) fits = false;
        else w = w * 10 + digit;
    }
    if (s == from) return false;
    if (stop) *stop = s;
    if (fits) *v = negative ? (int64_t)(0u - w) : (int64_t)w;
    return fits;
}

/* ======================================================================================
   >>impl-memory    the context's struct; size classes over the host's allocator
   In steady state nothing here calls the host: freed blocks wait in a list per size class. Small blocks are
   cut from slabs; large ones are allocated singly, with a prefix that links them so that tg_close finds every
   one.
   ====================================================================================== */

typedef struct tg__block {              /* prefix of what the host's allocator gave; 64 bytes */
    struct tg__block *prev, *next;
    size_t size;                        /* of the whole, prefix included */
    bool   slab;
} tg__block;

typedef struct tg__free_block { struct tg__free_block *next; } tg__free_block;

#define TG__SLAB_SIZE ((size_t)1 << 16)
#define TG__SMALL_LIMIT ((size_t)1 << 13)     /* blocks up to here are cut from slabs */
#define TG__CLASSES (64 * 8)
#define TG__RING 256                          /* ended headers wait this long before they are used again */
#define TG__CALLS 32                          /* length of the traceback */
#define TG__SLOTS 32                          /* scratch slots: as many bodies can run at once */

#define TG__PLAN_SIZE 2048                    /* bytes of the CPU's largest plan */

typedef struct tg__call_entry {
    const char *name;
    tg_place    at;
    const tg_op *op;                          /* NULL, or whose attributes are here */
    union { double align; char bytes[288]; } attr;
} tg__call_entry;

typedef struct tg__shared tg__shared;
typedef struct tg__scope { size_t held; uint32_t serial; } tg__scope;
typedef struct tg__walk tg__walk;
typedef struct tg__recording tg__recording;

struct tg__storage {
    tg_ctx    *tg;
    void      *data;
    size_t     bytes;
    tg_tensor *headers;        /* all headers over it, linked by next_alias: a move must find them */
    tg__shared *shared;        /* NULL, or the block that several contexts hold */
    tg_tensor *embedder;       /* the header whose block this struct stands in */
    uint32_t   users;          /* live headers */
    uint32_t   version;        /* counts writes */
    bool       pinned;         /* the embedding header is alive or waits in the ring */
    bool       borrowed;       /* the data is the caller's */
    bool       own_block;      /* the data is a block of its own */
    tg_device  device;
    size_t     inline_bytes;   /* data that stands in the embedding block */
    tg__storage *next_shared, *prev_shared;   /* in the context's list of shared storages, or of a device's */
    /* the last op that wrote in place, and from where: for the message about overwritten values */
    const char *written_by;
    tg_place   written_at;
};

struct tg__device {
    tg_backend backend;
    void    *stream;
    bool     open;
    uint32_t told;                         /* families that it declined, which the log has said */
    tg__storage *storages;
};

struct tg_ctx {
    struct tg__ctx_head here;              /* first: tg__at writes it */
    tg_config config;
    int       isa;                         /* index into the kernel tables */
    unsigned  features;                    /* TG__CPU_... */

    bool      closed;                      /* an error is pending, or a hook of `inside` runs: the gate's one load */

    /* the host's functions that run now */
    const char *inside;                    /* a hook below the library, where no call can begin; else NULL */
    bool      logging;
    uint32_t  callbacks;                   /* functions above the library, which may call it */
    uint32_t  floor;                       /* scopes up to this depth are their callers' */

    /* error */
    tg_error_code error;
    int       error_number;
    bool      error_told;                  /* the first one was printed */
    bool      root_told, broadcast_told;
    char      error_text[1024];
    const char *where;                     /* name of the running op */
    char      path[256];                   /* of the running layer, "" outside of layers */
    size_t    path_length;
    const char *as;                        /* NULL, or the user's call whose work is done by other calls: messages name it */
    volatile uint32_t owner;               /* TENSORGRAD_DEBUG: the thread that is inside a call */
    uint32_t  unlisted;                    /* not 0: the library's own calls, which do not enter the ring */
    tg__call_entry calls[TG__CALLS];
    uint32_t  calls_made;

    /* memory */
    tg__block *blocks;
    char      *slab; size_t slab_left;
    tg__free_block *bins[TG__CLASSES];
    tg_memory_info memory;
    tg_tensor *ring[TG__RING];
    uint32_t  ring_at;
    tg__storage *shared_list;              /* storages of this context that others may hold too */

    /* scopes */
    tg_tensor **held; size_t held_count, held_room;
    tg__scope *scopes; uint32_t depth, depth_room, serial;

    /* threads */
    struct tg__pool *pool;
    int       threads;
    volatile uint32_t slot_mask;
    int       slot_count;
    size_t    slot_size;
    char     *scratch_slots;

    /* random */
    tg_random_state random;

    /* graph */
    bool      grad_mode, anomaly;
    tg__node *dead_nodes;
    bool      releasing;
    uint64_t  node_serial;
    tg__walk *walk;
    tg__recording *recording;              /* a running checkpoint's list of outside tensors */

    struct tg__device devices[TG_DEVICES];
    union { double align; char bytes[TG__PLAN_SIZE]; } plan;      /* of the launch that runs: launches do not nest */
};

TG__PRIVATE bool tg__fail(tg_ctx *tg, int message, ...);
TG__PRIVATE bool tg__fail_memory(tg_ctx *tg, size_t bytes);

/* ---- the host's functions ----
   Two kinds. Hooks that serve the library (memory, log, jobs, clock, files, devices) run in the middle of anything, with
   lists half linked and operands that nobody counts: there the context only answers questions, and a call that
   would compute, write, free or begin is refused by name. Functions that the library calls on the user's behalf
   (gradient hooks, the functions of checkpoints and derivative products, the user's operations) may call
   everything but tg_close, and may not end their callers' scopes. */
static const char tg__in_memory[] = "the memory hooks", tg__in_log[] = "the log hook", tg__in_jobs[] = "the parallel_for hook",
    tg__in_clock[] = "the clock hook", tg__in_files[] = "the file hooks", tg__in_device[] = "a device's functions";
TG__PRIVATE const char *tg__hook_enter(tg_ctx *tg, const char *which) {
    const char *outer = tg->inside;
    tg->inside = which;
    tg->closed = true;
    return outer;
}
TG__PRIVATE void tg__hook_leave(tg_ctx *tg, const char *outer) {
    tg->inside = outer;
    tg->closed = outer || tg->error != TG_OK;
}
/* For functions that do not go through the gate: is the context inside a hook, so that this one is refused? */
TG__NOINLINE bool tg__inside_fail(tg_ctx *tg, const char *name);
TG__INLINE bool tg__inside(tg_ctx *tg, const char *name) { return TG__RARE(tg->inside != NULL) && tg__inside_fail(tg, name); }

/* Inside a callback the user's calls are listed under their own names again. */
typedef struct tg__callback { uint32_t floor, unlisted; const char *as; bool mode; } tg__callback;
TG__PRIVATE void tg__callback_enter(tg_ctx *tg, tg__callback *c) {
    c->floor = tg->floor; c->mode = tg->grad_mode; c->as = tg->as; c->unlisted = tg->unlisted;
    tg->floor = tg->depth; tg->as = NULL; tg->unlisted = 0;
    tg->callbacks++;
}
TG__PRIVATE void tg__callback_leave(tg_ctx *tg, const tg__callback *c) {
    tg->floor = c->floor; tg->as = c->as; tg->unlisted = c->unlisted; tg->grad_mode = c->mode;
    tg->callbacks--;
}

TG__PRIVATE void *tg__hook_alloc(tg_ctx *tg, size_t size) {
    tg_hooks *h = &tg->config.hooks;
    const char *outer = tg__hook_enter(tg, tg__in_memory);
    void *p = h->alloc(h->alloc_user, size, TG__ALIGN);
    tg__hook_leave(tg, outer);
    return p;
}
TG__PRIVATE void tg__hook_release(tg_ctx *tg, void *p, size_t size) {
    tg_hooks *h = &tg->config.hooks;
    const char *outer = tg__hook_enter(tg, tg__in_memory);
    h->release(h->alloc_user, p, size, TG__ALIGN);
    tg__hook_leave(tg, outer);
}

/* The class of a size, and the size rounded up to it: every multiple of 64 up to 1024, then four steps per
   doubling, eight for large ones. */
TG__PRIVATE int tg__size_class_large(size_t *size) {
    size_t s = *size, step;
    int e = 10;
#if defined(__GNUC__) && !defined(__TINYC__)
    e = 63 - __builtin_clzll((unsigned long long)(s - 1));             /* 2^e < s <= 2^(e+1) */
#else
    while (e < 62 && ((size_t)2 << e) < s) e++;
#endif
    step = (size_t)1 << (e >= 16 ? e - 3 : e - 2);
    s = (s + step - 1) & ~(step - 1);
    *size = s;
    return e * 8 + (int)((s - ((size_t)1 << e) - 1) / step);
}
TG__INLINE int tg__size_class(size_t *size) {
    size_t n;
    if (*size > 1024) return tg__size_class_large(size);
    n = *size <= TG__ALIGN ? 1 : (*size + TG__ALIGN - 1) / TG__ALIGN;
    *size = n * TG__ALIGN;
    return (int)n;
}

TG__PRIVATE void tg__host_release(tg_ctx *tg, tg__block *b) {
    if (b->prev) b->prev->next = b->next; else tg->blocks = b->next;
    if (b->next) b->next->prev = b->prev;
    tg->memory.now -= b->size;
    tg->memory.host_calls++;
    tg__hook_release(tg, b, b->size);
}

/* A block from the host, behind its prefix. Past the limit, or when the host has none, the cache is given
   back first. */
TG__PRIVATE void tg__trim(tg_ctx *tg);
TG__PRIVATE void *tg__host_get(tg_ctx *tg, size_t size, bool slab) {
    tg__block *b = NULL;
    int attempt;
    if (tg->inside == tg__in_memory) { (void)tg__inside(tg, "alloc"); return NULL; }
    if (size > SIZE_MAX / 2) { (void)tg__fail_memory(tg, size); return NULL; }
    size += sizeof(tg__block) > TG__ALIGN ? 2 * TG__ALIGN : TG__ALIGN;
    for (attempt = 0; attempt < 2 && !b; attempt++) {
        size_t limit = tg->config.memory_limit;
        if (attempt == 1) tg__trim(tg);
        if (limit && (size > limit || tg->memory.now > limit - size)) continue;
        tg->memory.host_calls++;
        b = (tg__block *)tg__hook_alloc(tg, size);
    }
    if (!b) { (void)tg__fail_memory(tg, size); return NULL; }
    b->prev = NULL; b->next = tg->blocks; b->size = size; b->slab = slab;
    if (tg->blocks) tg->blocks->prev = b;
    tg->blocks = b;
    tg->memory.now += size;
    if (tg->memory.now > tg->memory.peak) tg->memory.peak = tg->memory.now;
    return (char *)b + TG__ALIGN;
}

/* No block of this size waits: one from the slab, or from the host. */
TG__NOINLINE void *tg__mem_new(tg_ctx *tg, size_t size) {
    void *p;
    if (size > TG__SMALL_LIMIT) return tg__host_get(tg, size, false);
    if (tg->slab_left < size) {
        char *s = (char *)tg__host_get(tg, TG__SLAB_SIZE - TG__ALIGN, true);
        if (!s) return NULL;
        /* the rest of the old slab joins the bins: nothing is lost */
        while (tg->slab_left >= TG__ALIGN) {
            size_t rest = tg->slab_left, piece = TG__ALIGN; int pc;
            tg__free_block *f = (tg__free_block *)(void *)tg->slab;
            while (piece * 2 <= rest) piece *= 2;
            pc = tg__size_class(&piece);
            f->next = tg->bins[pc]; tg->bins[pc] = f;
            tg->memory.cached += piece;
            tg->slab += piece; tg->slab_left -= piece;
        }
        tg->slab = s; tg->slab_left = TG__SLAB_SIZE - TG__ALIGN;
    }
    p = tg->slab;
    tg->slab += size; tg->slab_left -= size;
    return p;
}
TG__PRIVATE void *tg__mem_get(tg_ctx *tg, size_t size) {
    tg__free_block *f;
    int c;
    if (TG__RARE(tg->config.no_cache)) return tg__host_get(tg, size ? size : 1, false);
    if (TG__RARE(size > SIZE_MAX / 4)) { (void)tg__fail_memory(tg, size); return NULL; }
    c = tg__size_class(&size);
    f = tg->bins[c];
    if (TG__RARE(!f)) return tg__mem_new(tg, size);
    tg->bins[c] = f->next;
    tg->memory.cached -= size;
    return f;
}

TG__PRIVATE void tg__mem_put(tg_ctx *tg, void *p, size_t size) {
    tg__free_block *f = (tg__free_block *)p;
    int c;
    if (!p) return;
    if (TG__RARE(tg->config.no_cache)) { tg__host_release(tg, (tg__block *)(void *)((char *)p - TG__ALIGN)); return; }
    c = tg__size_class(&size);
    f->next = tg->bins[c]; tg->bins[c] = f;
    tg->memory.cached += size;
}

/* Keeps the content; NULL: failed, and p is as it was. */
TG__PRIVATE void *tg__mem_resize(tg_ctx *tg, void *p, size_t old_size, size_t new_size) {
    void *q = tg__mem_get(tg, new_size);
    if (!q) return NULL;
    if (p) { memcpy(q, p, old_size < new_size ? old_size : new_size); tg__mem_put(tg, p, old_size); }
    return q;
}

TG__PRIVATE char *tg__copy_text(tg_ctx *tg, const char *s) {
    size_t n = strlen(s) + 1;
    char *p = (char *)tg__mem_get(tg, n);
    if (p) memcpy(p, s, n);
    return p;
}

TG__PRIVATE void tg__trim(tg_ctx *tg) {
    size_t small_limit = TG__SMALL_LIMIT;
    int c;
    for (c = tg__size_class(&small_limit) + 1; c < TG__CLASSES; c++) {
        while (tg->bins[c]) {
            tg__block *b = (tg__block *)(void *)((char *)tg->bins[c] - TG__ALIGN);
            tg->bins[c] = tg->bins[c]->next;
            tg->memory.cached -= b->size - TG__ALIGN;
            tg__host_release(tg, b);
        }
    }
}
TG_API void tg_trim(tg_ctx *tg) { if (tg && !tg__inside(tg, "trim")) tg__trim(tg); }

TG_API tg_memory_info tg_memory(tg_ctx *tg) {
    tg_memory_info none = TG__ZERO;
    if (!tg) return none;
    tg->memory.scratch = tg->slot_size * (size_t)tg->slot_count;
    return tg->memory;
}

/* ======================================================================================
   >>impl-error    text without the printf family, the list of messages, the first error, the ring of calls
   ====================================================================================== */

typedef struct tg__text { char *out; size_t size, length; } tg__text;

TG__PRIVATE void tg__put_char(tg__text *t, char c) {
    if (t->length + 1 < t->size) { t->out[t->length] = c; t->out[t->length + 1] = 0; }
    t->length++;
}
TG__PRIVATE void tg__put(tg__text *t, const char *s) { while (*s) tg__put_char(t, *s++); }
TG__PRIVATE void tg__put_i64(tg__text *t, int64_t v) { char b[32]; tg__print_i64(b, v); tg__put(t, b); }
TG__PRIVATE void tg__put_f64(tg__text *t, double v) { char b[48]; tg__print_f64(b, v); tg__put(t, b); }
TG__PRIVATE void tg__put_shape(tg__text *t, int ndim, const int64_t *shape) {
    int i;
    tg__put_char(t, '[');
    for (i = 0; i < ndim; i++) { if (i) tg__put(t, ", "); tg__put_i64(t, shape[i]); }
    tg__put_char(t, ']');
}
TG__PRIVATE tg__text tg__text_over(char *out, size_t size) {
    tg__text t;
    t.out = out; t.size = out ? size : 0; t.length = 0;
    if (t.size) out[0] = 0;
    return t;
}

/* Every message: name, code, text. The number that tg_error_number gives is the row's place, so rows are only
   ever added at the end. %s text, %d int, %l int64_t, %f double, %t a tensor's dtype and shape, %v dims (int,
   const int64_t *), %y dtype. */
#define TG__MESSAGES(TG__MSG) \
    TG__MSG(MEMORY,          TG_ERROR_MEMORY,      "out of memory: %l bytes asked for, %l in use, limit %l (0: none)") \
    TG__MSG(NULL,            TG_ERROR_NULL,        "operand %d is NULL") \
    TG__MSG(CONTEXT,         TG_ERROR_CONTEXT,     "operand %d belongs to another context") \
    TG__MSG(DEAD,            TG_ERROR_DEAD,        "operand %d was made by '%s' and its scope has ended; tg_keep it or tg_end_with it") \
    TG__MSG(BROADCAST,       TG_ERROR_SHAPE,       "shapes %t and %t do not broadcast: sizes %l and %l differ in dimension %d%s") \
    TG__MSG(INPLACE_SHAPE,   TG_ERROR_SHAPE,       "the result has shape %v but is to be written into %t") \
    TG__MSG(INPLACE_DTYPE,   TG_ERROR_DTYPE,       "the result is %y and cannot be written into %t") \
    TG__MSG(INPLACE_OVERLAP, TG_ERROR_SHAPE,       "%t has elements that share memory (expanded, or overlapping strides); clone it before writing into it") \
    TG__MSG(INPLACE_LEAF,    TG_ERROR_GRAD,        "%t is a leaf that requires a gradient; write to it only with the grad mode off") \
    TG__MSG(FLOAT_ONLY,      TG_ERROR_DTYPE,       "expected a floating type, got %t; tg_to it first") \
    TG__MSG(NOT_FOR,         TG_ERROR_DTYPE,       "not defined for %y") \
    TG__MSG(DIM,             TG_ERROR_VALUE,       "dim %l is out of range for %t: expected %l to %l") \
    TG__MSG(DIM_TWICE,       TG_ERROR_VALUE,       "dim %l is named twice") \
    TG__MSG(NDIM,            TG_ERROR_SHAPE,       "%d dimensions, at most 8 are possible") \
    TG__MSG(SIZE,            TG_ERROR_VALUE,       "size %l in dimension %d: sizes cannot be negative") \
    TG__MSG(TOO_LARGE,       TG_ERROR_VALUE,       "shape %v has more elements than can be addressed") \
    TG__MSG(DTYPE_UNKNOWN,   TG_ERROR_DTYPE,       "there is no dtype %d") \
    TG__MSG(VIEW_NUMEL,      TG_ERROR_SHAPE,       "%t has %l elements, which do not fill %v") \
    TG__MSG(VIEW_STRIDES,    TG_ERROR_SHAPE,       "%t with these strides cannot be seen as %v without a copy; use tg_reshape") \
    TG__MSG(VIEW_TWO,        TG_ERROR_VALUE,       "only one size can be -1, got %v") \
    TG__MSG(PERMUTE,         TG_ERROR_VALUE,       "%v does not name every dimension of %t once") \
    TG__MSG(EXPAND,          TG_ERROR_SHAPE,       "%t cannot be expanded to %v: dimension %d has size %l") \
    TG__MSG(INDEX,           TG_ERROR_VALUE,       "index %l is out of range for dimension %d of %t") \
    TG__MSG(NARROW,          TG_ERROR_VALUE,       "start %l and length %l do not fit in dimension %d of %t") \
    TG__MSG(STEP,            TG_ERROR_VALUE,       "step cannot be 0") \
    TG__MSG(SLICE_TEXT,      TG_ERROR_VALUE,       "cannot read \"%s\" at character %d") \
    TG__MSG(SLICE_DIMS,      TG_ERROR_VALUE,       "\"%s\" has more indices than %t has dimensions") \
    TG__MSG(AS_STRIDED,      TG_ERROR_VALUE,       "shape %v reaches outside of the storage of %l elements") \
    TG__MSG(ITEM,            TG_ERROR_SHAPE,       "%t does not have exactly one element") \
    TG__MSG(BYTES,           TG_ERROR_VALUE,       "%l bytes given, %t has %l") \
    TG__MSG(NO_DATA,         TG_ERROR_NULL,        "no %s given") \
    TG__MSG(MATMUL_SCALAR,   TG_ERROR_SHAPE,       "both operands need at least one dimension: %t x %t") \
    TG__MSG(MATMUL_INNER,    TG_ERROR_SHAPE,       "inner sizes differ: %t x %t%s") \
    TG__MSG(MATMUL_BATCH,    TG_ERROR_SHAPE,       "batch dimensions of %t and %t do not broadcast") \
    TG__MSG(SAME_DTYPE,      TG_ERROR_DTYPE,       "operands need one dtype: %t and %t%s") \
    TG__MSG(REDUCE_EMPTY,    TG_ERROR_SHAPE,       "dimension %d of %t is empty and this reduction has no value for nothing") \
    TG__MSG(INDEX_DTYPE,     TG_ERROR_DTYPE,       "indices are i64 or i32, got %t") \
    TG__MSG(INDEX_SHAPE,     TG_ERROR_SHAPE,       "index %t does not fit %t") \
    TG__MSG(INDEX_RANGE,     TG_ERROR_VALUE,       "index %l (element %l of the indices) is out of range: dimension %d of %t") \
    TG__MSG(CAT_SHAPE,       TG_ERROR_SHAPE,       "tensor %d is %t and does not fit %t: all sizes but dimension %d must agree") \
    TG__MSG(CONV_NDIM,       TG_ERROR_SHAPE,       "expected x [N, C, H, W] or [C, H, W] and weight [O, C/groups, KH, KW], got %t and %t") \
    TG__MSG(CONV_CHANNELS,   TG_ERROR_SHAPE,       "x %t has %l channels; weight %t with %l groups expects %l") \
    TG__MSG(CONV_GROUPS,     TG_ERROR_VALUE,       "%l output channels cannot be divided into %l groups") \
    TG__MSG(CONV_BIAS,       TG_ERROR_SHAPE,       "bias is %t, expected [%l]") \
    TG__MSG(CONV_VALUE,      TG_ERROR_VALUE,       "%s cannot be %l") \
    TG__MSG(CONV_SMALL,      TG_ERROR_SHAPE,       "the kernel of %t is larger than the padded x %t") \
    TG__MSG(PROBABILITY,     TG_ERROR_VALUE,       "probability %f is not between 0 and 1") \
    TG__MSG(RANGE,           TG_ERROR_VALUE,       "%s: expected %s, got %f") \
    TG__MSG(TARGET_SHAPE,    TG_ERROR_SHAPE,       "input %t and target %t do not fit together: %s") \
    TG__MSG(INTEGER_ZERO,    TG_ERROR_VALUE,       "integer division by zero") \
    TG__MSG(FROZEN,          TG_ERROR_FROZEN,      "%t is shared with another context and frozen") \
    TG__MSG(NO_GRAPH,        TG_ERROR_GRAD,        "%t does not require a gradient: nothing that led to it does%s") \
    TG__MSG(GRAPH_USED,      TG_ERROR_GRAD,        "the graph behind '%s' was already used and its saved values are gone; pass .retain_graph = true the first time") \
    TG__MSG(OVERWRITTEN,     TG_ERROR_GRAD,        "'%s' called at %s:%d needs a value for its gradient that was overwritten afterwards by '%s' at %s:%d; use the out-of-place form there") \
    TG__MSG(GRAD_SHAPE,      TG_ERROR_SHAPE,       "gradient %t for a result of shape %t") \
    TG__MSG(GRAD_SCALAR,     TG_ERROR_GRAD,        "%t has more than one element; give .gradient, or sum it first") \
    TG__MSG(GRAD_UNUSED,     TG_ERROR_GRAD,        "input %d (%t) is not reached from the outputs; .allow_unused = true gives NULL for it") \
    TG__MSG(NOT_LEAF,        TG_ERROR_GRAD,        "%t is the result of '%s', not a leaf; detach it first") \
    TG__MSG(GRAD_DTYPE,      TG_ERROR_DTYPE,       "only floating tensors can require a gradient, got %t") \
    TG__MSG(BACKWARD_SHAPE,  TG_ERROR_SHAPE,       "the backward of '%s' gave %t for an input of shape %v") \
    TG__MSG(NO_BACKWARD,     TG_ERROR_GRAD,        "'%s' has no derivative") \
    TG__MSG(GRADCHECK,       TG_ERROR_NUMERIC,     "%s gradient by input %d at element %l is %f, the difference quotient %f") \
    TG__MSG(ANOMALY,         TG_ERROR_NUMERIC,     "%s of '%s' called at %s:%d has the first %s, at element %l of %t") \
    TG__MSG(FUNCTION_FAILED, TG_ERROR_VALUE,       "the function gave no tensor for output %d") \
    TG__MSG(FILE,            TG_ERROR_FILE,        "%s: %s") \
    TG__MSG(FORMAT,          TG_ERROR_FORMAT,      "%s: %s at byte %l") \
    TG__MSG(NO_HOOK,         TG_ERROR_UNSUPPORTED, "%s: this build has no stdio; give the file hooks") \
    TG__MSG(THREADS,         TG_ERROR_UNSUPPORTED, "cannot start %d threads: %s") \
    TG__MSG(OP_FAILED,       TG_ERROR_VALUE,       "%s") \
    TG__MSG(SHARE,           TG_ERROR_UNSUPPORTED, "%s") \
    TG__MSG(ARGUMENT,        TG_ERROR_VALUE,       "%s") \
    TG__MSG(RECORD,          TG_ERROR_VALUE,       "the record of '%s' is not complete: %s") \
    TG__MSG(DEVICE,          TG_ERROR_UNSUPPORTED, "no backend for device %d") \
    TG__MSG(NAME_UNKNOWN,    TG_ERROR_VALUE,       "%s has no entry \"%s\"") \
    TG__MSG(T_DIMS,          TG_ERROR_SHAPE,       "%t has %d dimensions; tg_t is for at most 2, use tg_transpose") \
    TG__MSG(STACK_SHAPE,     TG_ERROR_SHAPE,       "tensor %d is %t and does not fit %t: all sizes must agree") \
    TG__MSG(CONDITION,       TG_ERROR_DTYPE,       "the condition must be bool, got %t") \
    TG__MSG(CLASS_RANGE,     TG_ERROR_VALUE,       "class %l (element %l of the target) is out of range: logits %t have %l classes") \
    TG__MSG(NO_DIMS,         TG_ERROR_VALUE,       "%t has no dimensions") \
    TG__MSG(ELEMENTS,        TG_ERROR_VALUE,       "%l elements given, %t has %l") \
    TG__MSG(INPUT_NO_GRAD,   TG_ERROR_GRAD,        "input %d (%t) does not require a gradient; tg_require_grad it before it is used") \
    TG__MSG(HOOK_SHAPE,      TG_ERROR_SHAPE,       "a hook gave %t in place of the gradient %t") \
    TG__MSG(SWAP,            TG_ERROR_SHAPE,       "expected two tensors of one shape and dtype, got %t and %t") \
    TG__MSG(DEVICES,         TG_ERROR_UNSUPPORTED, "%t is on device %d, another operand on device %d") \
    TG__MSG(HOLES,           TG_ERROR_UNSUPPORTED, "%t has holes, repeats or a reversed dimension, and a gradient would need its places in memory; clone it first") \
    TG__MSG(VIEW_NO_GRAD,    TG_ERROR_GRAD,        "%t is a view made with the grad mode off; its base would not know of this recorded write. Make the view with the grad mode on") \
    TG__MSG(ALPHA,           TG_ERROR_VALUE,       "the factor %f of integers must be a whole number") \
    TG__MSG(POWER,           TG_ERROR_VALUE,       "integers to the power of %l are no integers") \
    TG__MSG(NO_FIT,          TG_ERROR_VALUE,       "%f cannot be stored as %y") \
    TG__MSG(SWAP_PLAIN,      TG_ERROR_VALUE,       "%t is a view, has views, or is a result of the graph") \
    TG__MSG(DEVICE_FAILED,   TG_ERROR_UNSUPPORTED, "device '%s' failed at '%s'") \
    TG__MSG(OFF_RECORD,      TG_ERROR_GRAD,        "%t was computed while the grad mode was off, so nothing of it was recorded; compute it with tg_grad_mode(tg, true)") \
    TG__MSG(NO_GRADIENT,     TG_ERROR_GRAD,        "%t has no gradient: %s%s%s") \
    TG__MSG(LINEAR_SHAPE,    TG_ERROR_SHAPE,       "x %t and weight %t do not fit together: expected x [..., I] and weight [O, I]") \
    TG__MSG(OWNER,           TG_ERROR_CONTEXT,     "another thread is inside this context; one thread at a time may use a context, and each can have its own") \
    TG__MSG(VMAP,            TG_ERROR_UNSUPPORTED, "%s has no rule for tg_vmap") \
    TG__MSG(VMAP_SIZE,       TG_ERROR_SHAPE,       "input %d, %t, has no leading dimension of size %l") \
    TG__MSG(OPAQUE,          TG_ERROR_DTYPE,       "operand %d, %t, is %s") \
    TG__MSG(BLOCKS,          TG_ERROR_SHAPE,       "the last dimension of %v does not fill blocks of %l, which %y needs") \
    TG__MSG(NOT_KEPT,        TG_ERROR_VALUE,       "%t, made by '%s', is not kept: a scope, a graph or a .grad holds it, and only a tg_keep can be undone") \
    TG__MSG(GONE,            TG_ERROR_DEAD,        "%t, made by '%s', is gone already: its scope has ended, or it was dropped before") \
    TG__MSG(SHARED_ELEMENTS, TG_ERROR_SHAPE,       "operand %d, %t, shares memory with some elements of %t, which is written; clone it first") \
    TG__MSG(INSIDE,          TG_ERROR_UNSUPPORTED, "called from inside %s, where the context can only be asked questions") \
    TG__MSG(CALLBACK_SCOPE,  TG_ERROR_VALUE,       "this scope was begun by the caller of the running callback, which needs what it holds") \
    TG__MSG(CALLBACK_CLOSE,  TG_ERROR_VALUE,       "the context cannot be closed from inside a callback") \
    TG__MSG(RUNNING,         TG_ERROR_GRAD,        "the backward of '%s' walks the graph that it is being walked in, and would run itself") \
    TG__MSG(ALIGNMENT,       TG_ERROR_VALUE,       "the address of the data does not fit %y: it must be a multiple of %l bytes; tg_from copies from any address") \
    TG__MSG(SHAPES,          TG_ERROR_SHAPE,       "expected %s")

#define TG__MSG(name, code, text) TG__E_##name,
enum { TG__E_NONE, TG__MESSAGES(TG__MSG) TG__E_COUNT };
#undef TG__MSG

/* The one gate of every call that computes or writes. TENSORGRAD_DEBUG also finds a thread that comes while another
   is inside a call (tg__call owns the context as long as it runs). */
TG__NOINLINE bool tg__inside_fail(tg_ctx *tg, const char *name) {
    const char *where = tg->where;
    if (name) tg->where = name;
    (void)tg__fail(tg, TG__E_INSIDE, tg->inside);
    tg->where = where;
    return true;
}
TG__INLINE bool tg__gate(tg_ctx *tg) {
    if (!tg) return false;
    if (TG__RARE(tg->closed)) { (void)tg__inside(tg, NULL); return false; }
#ifdef TENSORGRAD_DEBUG
    {
        const uint32_t owner = tg__atomic_load(&tg->owner);
        if (owner && owner != tg__thread_id()) return tg__fail(tg, TG__E_OWNER);
    }
#endif
    return true;
}

/* A log hook that makes the library log is not called again. */
TG__PRIVATE void tg__log(tg_ctx *tg, tg_log_level level, const char *text) {
    const char *outer;
    if (!tg->config.hooks.log || tg->logging) return;
    tg->logging = true;
    outer = tg__hook_enter(tg, tg__in_log);
    tg->config.hooks.log(tg->config.hooks.log_user, level, text);
    tg__hook_leave(tg, outer);
    tg->logging = false;
}
TG_API void tg_say(tg_ctx *tg, tg_log_level level, const char *text) { if (tg && text) tg__log(tg, level, text); }

TG__PRIVATE void tg__put_tensor(tg__text *t, const tg_tensor *x) {
    if (!x) { tg__put(t, "NULL"); return; }
    if (x->name) { tg__put_char(t, '\''); tg__put(t, x->name); tg__put(t, "' "); }
    tg__put(t, tg_dtype_name(x->dtype));
    tg__put_shape(t, x->ndim, x->shape);
}

TG__PRIVATE void tg__put_place(tg__text *t, const char *file, int line) {
    if (!file) return;
    tg__put(t, " ("); tg__put(t, file); tg__put_char(t, ':'); tg__put_i64(t, line); tg__put_char(t, ')');
}

#include <stdarg.h>

TG__PRIVATE void tg__put_format(tg__text *t, const char *f, va_list *va) {
    for (; *f; f++) {
        if (*f != '%') { tg__put_char(t, *f); continue; }
        switch (*++f) {
            case 's': { const char *s = va_arg(*va, const char *); tg__put(t, s ? s : "?"); break; }
            case 'd': tg__put_i64(t, va_arg(*va, int)); break;
            case 'l': tg__put_i64(t, va_arg(*va, int64_t)); break;
            case 'f': tg__put_f64(t, va_arg(*va, double)); break;
            case 't': tg__put_tensor(t, va_arg(*va, const tg_tensor *)); break;
            case 'v': { int n = va_arg(*va, int); tg__put_shape(t, n, va_arg(*va, const int64_t *)); break; }
            case 'y': tg__put(t, tg_dtype_name((tg_dtype)va_arg(*va, int))); break;
            default: tg__put_char(t, '%'); break;
        }
    }
}

/* The first error, in these words. */
TG__PRIVATE void tg__fail_words(tg_ctx *tg, int code, int number, const char *format, va_list *va) {
    tg__text t;
    tg->error = (tg_error_code)code;
    tg->error_number = number;
    tg->closed = true;
    t = tg__text_over(tg->error_text, sizeof tg->error_text);
    if (tg->path_length) { tg__put(&t, tg->path); tg__put(&t, ": "); }
    if (tg->where) { tg__put(&t, tg->where); tg__put(&t, ": "); }
    tg__put_format(&t, format, va);
    tg__put_place(&t, tg->here.file, tg->here.line);
    tg__log(tg, TG_LOG_ERROR, tg->error_text);
    if (tg->config.trap_on_error) {
#if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__))
        __asm__ volatile("int3");
#elif defined(__GNUC__) && defined(__aarch64__)
        __asm__ volatile("brk #0xf000");
#endif
    }
}
/* Records the first error and returns false. A dtype is passed as (int). */
TG__PRIVATE bool tg__fail(tg_ctx *tg, int message, ...) {
#define TG__MSG(name, code, text) code,
    static const unsigned char codes[] = { TG_OK, TG__MESSAGES(TG__MSG) };
#undef TG__MSG
#define TG__MSG(name, code, text) text,
    static const char *const texts[] = { "", TG__MESSAGES(TG__MSG) };
#undef TG__MSG
    va_list va;
    if (!tg || tg->error != TG_OK) return false;
    va_start(va, message);
    tg__fail_words(tg, codes[message], message, texts[message], &va);
    va_end(va);
    return false;
}
/* The same for what one operation alone says: the words stand at the call, the number is OP_FAILED's. */
TG__PRIVATE bool tg__fail_op(tg_ctx *tg, tg_error_code code, const char *format, ...) {
    va_list va;
    if (!tg || tg->error != TG_OK) return false;
    va_start(va, format);
    tg__fail_words(tg, (int)code, TG__E_OP_FAILED, format, &va);
    va_end(va);
    return false;
}

TG__PRIVATE bool tg__fail_memory(tg_ctx *tg, size_t bytes) {
    return tg__fail(tg, TG__E_MEMORY, bytes > (size_t)INT64_MAX ? INT64_MAX : (int64_t)bytes,
        (int64_t)tg->memory.now, (int64_t)tg->config.memory_limit);
}

/* A path that has no room is cut, and remembered as far as there is room. */
TG_API size_t tg_path_begin(tg_ctx *tg, const char *name) {
    size_t mark = tg ? tg->path_length : 0;
    tg__text t;
    if (!tg || !name) return mark;
    t = tg__text_over(tg->path + mark, sizeof tg->path - mark);
    if (mark) tg__put_char(&t, '.');
    tg__put(&t, name);
    tg->path_length = mark + (t.length < t.size ? t.length : t.size - 1);
    return mark;
}
TG_API void tg_path_end(tg_ctx *tg, size_t mark) {
    if (!tg || mark >= tg->path_length) return;
    tg->path_length = mark; tg->path[mark] = 0;
}

TG_API bool          tg_failed(tg_ctx *tg)       { return !tg || tg->error != TG_OK; }
TG_API tg_error_code tg_error(tg_ctx *tg)        { return tg ? tg->error : TG_ERROR_NULL; }
TG_API int           tg_error_number(tg_ctx *tg) { return tg ? tg->error_number : 0; }
TG_API const char   *tg_error_text(tg_ctx *tg)   { return tg ? tg->error_text : "no context"; }
TG_API void          tg_clear(tg_ctx *tg) {
    if (!tg || tg__inside(tg, "clear")) return;
    tg->error = TG_OK; tg->error_number = 0; tg->error_text[0] = 0;
    tg->closed = false;
}

/* " dims=[1] keepdim": what is not the attribute's zero */
TG__PRIVATE void tg__put_attrs(tg__text *t, const tg_op *op, const void *attr) {
    int i, k;
    for (i = 0; i < op->n_attrs; i++) {
        const tg_attr *a = &op->attrs[i];
        const char *p = (const char *)attr + a->offset;
        int64_t v[TG_MAX_DIMS], n = a->room;
        double f = 0;
        bool on = false;
        memset(v, 0, sizeof v);
        if (a->length != TG_ATTR_ALL) memcpy(&n, (const char *)attr + a->length, sizeof n);
        if (n > TG_MAX_DIMS) n = TG_MAX_DIMS;
        if (a->type == TG_ATTR_BOOL) memcpy(&on, p, sizeof on);
        else if (a->type == TG_ATTR_FLOAT) memcpy(&f, p, sizeof f);
        else if (a->type == TG_ATTR_INTS) memcpy(v, p, (size_t)n * sizeof v[0]);
        else memcpy(v, p, sizeof v[0]);
        if ((a->type == TG_ATTR_BOOL && !on) || (a->type == TG_ATTR_INTS && n == 0)) continue;
        tg__put_char(t, ' '); tg__put(t, a->name);
        if (a->type == TG_ATTR_BOOL) continue;
        tg__put_char(t, '=');
        switch (a->type) {
            case TG_ATTR_FLOAT: tg__put_f64(t, f); break;
            case TG_ATTR_DTYPE: tg__put(t, tg_dtype_name((tg_dtype)v[0])); break;
            case TG_ATTR_INTS:
                tg__put_char(t, '[');
                for (k = 0; k < (int)n; k++) { if (k) tg__put(t, ", "); tg__put_i64(t, v[k]); }
                tg__put_char(t, ']');
                break;
            default: tg__put_i64(t, v[0]); break;
        }
    }
}

/* The ring of calls: the user's, not those that the library makes inside them. A public function that is made of
   others says tg__compose once its operands are there, and ends with tg__composed around its result: what is
   called between reports under its name and does not enter the ring. */
TG__INLINE void tg__list_call(tg_ctx *tg, const char *op) {
    tg__call_entry *e = &tg->calls[tg->calls_made++ % TG__CALLS];
    e->name = op; e->op = NULL; e->at.file = tg->here.file; e->at.line = tg->here.line;
}
TG__INLINE void tg__name(tg_ctx *tg, const char *op) { tg->where = tg->as ? tg->as : op; }
TG__INLINE void tg__enter(tg_ctx *tg, const tg_op *op, const void *attr) {
    if (!tg->unlisted) {
        tg__call_entry *e = &tg->calls[tg->calls_made % TG__CALLS];
        tg__list_call(tg, op->name);
        if (attr && op->n_attrs && op->attr_size <= sizeof e->attr) {
            e->op = op;
            memcpy(e->attr.bytes, attr, op->attr_size);
        }
    }
    tg__name(tg, op->name);
}
TG__PRIVATE bool tg__compose(tg_ctx *tg) {              /* under the name that tg__start gave; false: inside another */
    if (tg->as) return false;
    if (!tg->unlisted) tg__list_call(tg, tg->where);
    tg->as = tg->where;
    tg->unlisted++;
    return true;
}
TG__PRIVATE tg_tensor *tg__composed(tg_ctx *tg, bool outermost, tg_tensor *result) {
    if (outermost) { tg->as = NULL; tg->unlisted--; }
    return result;
}
TG_API size_t tg_traceback(tg_ctx *tg, char *out, size_t size) {
    tg__text t = tg__text_over(out, size);
    uint32_t i;
    if (!tg) return 0;
    for (i = 0; i < TG__CALLS && i < tg->calls_made; i++) {
        const tg__call_entry *e = &tg->calls[(tg->calls_made - 1 - i) % TG__CALLS];
        tg__put(&t, e->name);
        if (e->op) tg__put_attrs(&t, e->op, e->attr.bytes);
        tg__put_place(&t, e->at.file, e->at.line); tg__put_char(&t, '\n');
    }
    return t.length;
}

/* ======================================================================================
   >>impl-jobs    phases of chunks, the pool or the host's jobs, scratch slots, devices
   A family's work is cut by its size, never by the number of threads. A chunk is a pure function of (job, i);
   it never allocates, logs or records an error.
   ====================================================================================== */

/* What the CPU makes of a request starts with the request and where its operands stand. A family derives the rest
   in phase 0 of its start. */
typedef struct tg__job {
    tg_ctx           *tg;
    const tg_request *r;
    const tg_operand *o;
    char *const      *at;                                     /* operand i's first element, NULL where it is absent */
    tg_tensor *const *t;                                      /* for messages alone: what lies elsewhere is not read */
    const void       *kernels;                                /* the op's own, where a family serves several */
} tg__job;

/* One kind of kernel work. start reads the request, never the operands' memory: values that are errors (an index out of
   range) are looked for by a first phase, which notes them; a second one, of a single chunk, notes what the message
   says; then start fails. start returns the number of chunks of a phase, 0 when there is no such phase, -1
   when it failed (error recorded). */
typedef struct tg__family {
    const char *name;
    int64_t   (*start)(tg_ctx *tg, int phase, void *plan);
    void      (*chunk)(void *plan, int64_t i);
    bool        exact;                                        /* tiny results are not flushed */
} tg__family;
/* TG__FAMILY(sort, exact): tg__family_sort, of tg__sort_start, tg__sort_chunk and tg__sort_plan */
#define TG__FAMILY(name, is_exact) \
    typedef char tg__##name##_plan_fits[sizeof(tg__##name##_plan) <= TG__PLAN_SIZE ? 1 : -1]; \
    static const tg__family tg__family_##name = { #name, tg__##name##_start, tg__##name##_chunk, is_exact }

/* Values that may be errors are looked at before anything is written. A chunk that finds one says so by its number; the
   first of them is looked at again, alone, for what the message says. */
typedef struct tg__look {
    int state;                                                /* TG__LOOKS, TG__EXPLAINS, then TG__LOOKED */
    volatile uint32_t bad;                                    /* 0, or 1 + the first chunk with an error */
    int64_t value, place;                                     /* for the message */
} tg__look;
enum { TG__LOOKED, TG__LOOKS, TG__EXPLAINS };
TG__PRIVATE void tg__look_bad(tg__look *l, int64_t chunk) {
    const uint32_t mine = 1 + (uint32_t)(chunk < 0x7fffffff ? chunk : 0x7fffffff);
    uint32_t old = tg__atomic_load(&l->bad);
    while ((old == 0 || mine < old) && !tg__atomic_cas(&l->bad, &old, mine)) { }
}
/* The phase after a look: 1 chunk to explain an error, 0 when there is none, -1 when it is explained. */
TG__PRIVATE int tg__look_next(tg__look *l) {
    const int was = l->state;
    l->state = was == TG__LOOKS && l->bad ? TG__EXPLAINS : TG__LOOKED;
    return l->state == TG__EXPLAINS ? 1 : was == TG__EXPLAINS ? -1 : 0;
}

/* Scratch: at most TG__SLOTS slots, claimed by one atomic mask for the length of a body, so that no worker
   number is needed. */
TG__PRIVATE bool tg__scratch_need(tg_ctx *tg, size_t bytes) {
    int width = tg->config.hooks.parallel_for
        ? (tg->config.hooks.jobs_width > 0 ? tg->config.hooks.jobs_width : TG__SLOTS) : tg->threads;
    char *p;
    if (width > TG__SLOTS) width = TG__SLOTS;
    if (width < 1) width = 1;
    /* slots apart by more than a page multiple: no aliasing of equal offsets */
    bytes = TG__ROUND_UP(bytes, 4096) + 2 * TG__ALIGN;
    if (tg->slot_size >= bytes && tg->slot_count >= width) return true;
    if (bytes < tg->slot_size) bytes = tg->slot_size;
    p = (char *)tg__mem_get(tg, bytes * (size_t)width);
    if (!p) return false;
    tg__mem_put(tg, tg->scratch_slots, tg->slot_size * (size_t)tg->slot_count);
    tg->scratch_slots = p; tg->slot_size = bytes; tg->slot_count = width;
    return true;
}
TG__PRIVATE void *tg__scratch_take(tg_ctx *tg, int *slot) {
    if (tg->slot_count == 1) { *slot = 0; return tg->scratch_slots; }
    for (;;) {
        uint32_t mask = tg__atomic_load(&tg->slot_mask);
        int i;
        for (i = 0; i < tg->slot_count; i++) {
            if (!(mask >> i & 1u) && tg__atomic_cas(&tg->slot_mask, &mask, mask | 1u << i)) {
                *slot = i;
                return tg->scratch_slots + (size_t)i * tg->slot_size;
            }
        }
    }
}
TG__PRIVATE void tg__scratch_give(tg_ctx *tg, int slot) {
    uint32_t mask;
    if (tg->slot_count == 1) return;
    mask = tg__atomic_load(&tg->slot_mask);
    while (!tg__atomic_cas(&tg->slot_mask, &mask, mask & ~(1u << slot))) { }
}

/* Every body runs with exceptions masked, rounding to nearest and, outside strict mode, tiny results flushed;
   the caller's mode comes back. */
typedef struct tg__body { void (*run)(void *arg, int64_t i); void *arg; bool flush; } tg__body;
TG__PRIVATE void tg__body_run(void *arg, int64_t i) {
    tg__body *b = (tg__body *)arg;
    unsigned old = tg__fp_enter(b->flush);
    b->run(b->arg, i);
    tg__fp_leave(old);
}

TG__PRIVATE void tg__run(tg_ctx *tg, int64_t count, void (*body)(void *arg, int64_t i), void *arg, bool flush) {
    if (count > 1 && (tg->pool || tg->config.hooks.parallel_for)) {
        tg__body b;
        b.run = body; b.arg = arg; b.flush = flush;
        if (tg->config.hooks.parallel_for) {
            const char *outer = tg__hook_enter(tg, tg__in_jobs);
            tg->config.hooks.parallel_for(tg->config.hooks.jobs_user, count, tg__body_run, &b);
            tg__hook_leave(tg, outer);
#ifdef TENSORGRAD_DEBUG
            if (tg->owner) tg__atomic_store(&tg->owner, tg__thread_id());      /* a fiber may go on with another thread */
#endif
        } else tg__pool_run(tg->pool, count, tg__body_run, &b);
    } else {
        unsigned old = tg__fp_enter(flush);
        int64_t i;
        for (i = 0; i < count; i++) body(arg, i);
        tg__fp_leave(old);
    }
}

/* ---- asking a family ---- */
#define TG__FEW 8                                              /* operands of a request that is no list */

/* A request being made: what is asked, how the operands lie, which tensors they are. */
typedef struct tg__ask {
    tg_request r;
    tg_operand o[TG__FEW];
    tg_tensor *t[TG__FEW];
} tg__ask;

TG__PRIVATE void tg__ask_begin(tg__ask *a, tg_family family, int kind, tg_dtype compute) {
    memset(&a->r, 0, sizeof a->r);
    a->r.family = family; a->r.kind = kind; a->r.compute = compute;
}
TG__PRIVATE char *tg__base(const tg_tensor *t) { return t->storage ? (char *)t->storage->data : (char *)t->place; }

/* Strides that take nobody anywhere, of dimensions with one position or of no elements, may be any number: here they
   become those of a packed tensor, so that no family multiplies by them, takes packed data for strided or computes
   other bits because of them. The product wraps: no element is reached by one that does not fit. */
TG__PRIVATE void tg__operand_settle(tg_operand *o) {
    uint64_t packed = 1;
    bool empty = false;
    int i;
    for (i = 0; i < o->ndim; i++) empty |= o->shape[i] == 0;
    for (i = o->ndim - 1; i >= 0; i--) {
        if (empty || o->shape[i] <= 1) o->stride[i] = (int64_t)packed;
        packed = (uint64_t)o->stride[i] * (uint64_t)o->shape[i];
    }
}
/* The next operand: t as it lies, or nothing. Its shape and strides are the caller's to change. */
TG__PRIVATE tg_operand *tg__ask_for(tg__ask *a, tg_tensor *t, unsigned use) {
    tg_operand *o = &a->o[a->r.n];
    int i;
    a->t[a->r.n++] = t;
    o->use = t ? use : TG_ABSENT; o->immediate = false; o->offset = 0; o->bits = 0;
    if (!t) { o->dtype = TG_F32; o->ndim = 0; return o; }
    o->dtype = t->dtype; o->ndim = t->ndim;
    o->offset = (int64_t)((uintptr_t)t->place - (uintptr_t)tg__base(t));
    for (i = 0; i < t->ndim; i++) { o->shape[i] = t->shape[i]; o->stride[i] = t->stride[i]; }
    tg__operand_settle(o);
    return o;
}
/* The next operand, seen in the shape of `like`, to which it broadcasts. A plain number comes as the number. */
TG__PRIVATE tg_operand *tg__ask_wide(tg__ask *a, tg_tensor *t, const tg_operand *like) {
    tg_operand *o = &a->o[a->r.n];
    int i, lead;
    if (!t) return tg__ask_for(a, t, TG_ABSENT);
    a->t[a->r.n++] = t;
    o->use = TG_READ; o->immediate = t->is_number; o->offset = 0; o->bits = 0;
    o->dtype = t->dtype; o->ndim = like->ndim;
    if (t->is_number) memcpy(&o->bits, t->data, 8);
    else o->offset = (int64_t)((uintptr_t)t->place - (uintptr_t)tg__base(t));
    lead = like->ndim - t->ndim;
    for (i = 0; i < like->ndim; i++) {
        o->shape[i] = like->shape[i];
        o->stride[i] = i >= lead && t->shape[i - lead] != 1 ? t->stride[i - lead] : 0;
    }
    return o;
}
TG__PRIVATE int64_t tg__operand_numel(const tg_operand *o) {
    int64_t n = 1;
    int i;
    for (i = 0; i < o->ndim; i++) n *= o->shape[i];
    return n;
}
/* dimension d goes away */
TG__PRIVATE void tg__operand_without(tg_operand *o, int d) {
    for (o->ndim--; d < o->ndim; d++) { o->shape[d] = o->shape[d + 1]; o->stride[d] = o->stride[d + 1]; }
}

/* Runs a family's phases on the CPU, over operands whose storages begin at `base`. */
TG__PRIVATE bool tg__launch_at(tg_ctx *tg, const tg__family *f, const void *kernels, const tg_request *r,
    const tg_operand *o, tg_tensor *const *t, char *const *base) {
    char *few[TG__FEW], **at = few;
    tg__job *j = (tg__job *)(void *)tg->plan.bytes;
    int64_t n = -1;
    int i, phase;
    if (r->n > TG__FEW && !(at = (char **)tg__mem_get(tg, (size_t)r->n * sizeof *at))) return false;
    for (i = 0; i < r->n; i++)
        at[i] = o[i].use == TG_ABSENT ? NULL : o[i].immediate ? (char *)(uintptr_t)&o[i].bits
            : (base ? base[i] : tg__base(t[i])) + o[i].offset;
    j->tg = tg; j->r = r; j->o = o; j->at = at; j->t = t; j->kernels = kernels;
    for (phase = 0; (n = f->start(tg, phase, j)) > 0; phase++)
        tg__run(tg, n, f->chunk, j, !tg->config.strict && !f->exact);
    if (at != few) tg__mem_put(tg, at, (size_t)r->n * sizeof *at);
    return n == 0;
}

/* Bytes from a device to the host, and from the host to a device. */
TG__PRIVATE bool tg__device_copy(tg_ctx *tg, tg_device device, bool in, void *to, const void *from, size_t size) {
    const struct tg__device *d = &tg->devices[device];
    const char *outer = tg__hook_enter(tg, tg__in_device);
    const bool ok = (in ? d->backend.copy_in : d->backend.copy_out)(d->backend.user, d->stream, to, from, size);
    tg__hook_leave(tg, outer);
    return ok || tg__fail(tg, TG__E_DEVICE_FAILED, d->backend.name, "copy");
}

/* A device is asked, and may decline; then the family runs here on copies of the storages, and those of written operands
   go back. In `base` a storage that several operands share is one. */
TG__NOINLINE bool tg__launch_on(tg_ctx *tg, tg_device device, const tg__family *f, const void *kernels,
    const tg_request *r, tg_operand *o, tg_tensor *const *t) {
    struct tg__device *d = &tg->devices[device];
    const tg_backend *b = &d->backend;
    char *few[TG__FEW], **base = few;
    tg_launch result;
    const char *outer;
    bool ok = true;
    int i, k;
    if (!d->open) return tg__fail(tg, TG__E_DEVICE, (int)device);
    for (i = 0; i < r->n; i++)                                 /* no bytes that say nothing */
        for (k = o[i].use == TG_ABSENT ? 0 : o[i].ndim; k < TG_MAX_DIMS; k++) o[i].shape[k] = o[i].stride[k] = 0;
    if (r->n > TG__FEW && !(base = (char **)tg__mem_get(tg, (size_t)r->n * sizeof *base))) return false;
    for (i = 0; i < r->n; i++) base[i] = o[i].use == TG_ABSENT || o[i].immediate ? NULL : tg__base(t[i]);
    outer = tg__hook_enter(tg, tg__in_device);
    result = b->launch(b->user, d->stream, r, o, (void *const *)base);
    tg__hook_leave(tg, outer);
    if (result == TG_LAUNCH_FAILED) ok = tg__fail(tg, TG__E_DEVICE_FAILED, b->name, f->name);
    if (result == TG_LAUNCH_DECLINED) {
        if (!(d->told >> (int)r->family & 1u)) {
            char line[160];
            tg__text text = tg__text_over(line, sizeof line);
            tg__put(&text, "device '"); tg__put(&text, b->name); tg__put(&text, "' leaves the family '");
            tg__put(&text, f->name); tg__put(&text, "' to the CPU: its operands are copied to the host and back");
            d->told |= 1u << (int)r->family;
            tg__log(tg, TG_LOG_INFO, line);
        }
        for (i = 0; i < r->n; i++) {
            void *p = NULL;
            if (!base[i]) continue;
            for (k = 0; k < i; k++) if (base[k] && t[k]->storage == t[i]->storage) break;
            if (k == i && t[i]->storage->bytes && ok) {
                p = tg__mem_get(tg, t[i]->storage->bytes);
                ok = p && tg__device_copy(tg, device, false, p, base[i], t[i]->storage->bytes);
            }
            base[i] = k < i ? base[k] : (char *)p;
        }
        ok = ok && tg__launch_at(tg, f, kernels, r, o, t, base);
        for (i = 0; i < r->n; i++) {
            bool written = false;
            for (k = 0; k < r->n; k++) if (base[k] == base[i] && (o[k].use & TG_WRITE)) written = true;
            for (k = 0; k < i; k++) if (base[k] == base[i]) break;
            if (!base[i] || k < i) continue;
            if (written) ok = ok && tg__device_copy(tg, device, true, tg__base(t[i]), base[i], t[i]->storage->bytes);
        }
        for (i = r->n - 1; i >= 0; i--) {
            for (k = 0; k < i; k++) if (base[k] == base[i]) break;
            if (base[i] && k == i) tg__mem_put(tg, base[i], t[i]->storage->bytes);
        }
    }
    if (base != few) tg__mem_put(tg, base, (size_t)r->n * sizeof *base);
    return ok;
}

/* Every kernel of the library is asked for here. */
TG__PRIVATE bool tg__launch_list(tg_ctx *tg, const tg__family *f, const void *kernels, const tg_request *r,
    tg_operand *o, tg_tensor *const *t) {
    int i;
    for (i = 0; i < r->n; i++)
        if (TG__RARE(t[i] && t[i]->device != TG_CPU)) return tg__launch_on(tg, t[i]->device, f, kernels, r, o, t);
    return tg__launch_at(tg, f, kernels, r, o, t, NULL);
}
TG__PRIVATE bool tg__launch(tg__ask *a, tg_ctx *tg, const tg__family *f, const void *kernels) {
    return tg__launch_list(tg, f, kernels, &a->r, a->o, a->t);
}

TG_API bool (tg_device_register)(tg_ctx *tg, tg_device device, const tg_backend *b) {
    struct tg__device *d;
    const char *outer;
    if (!tg__gate(tg)) return false;
    tg->where = "device_register";
    if ((int)device <= TG_CPU || device >= TG_DEVICES)
        return tg__fail(tg, TG__E_RANGE, "device", "TG_CUDA, 2 or 3", (double)(int)device);
    if (!b || !b->name || !b->alloc || !b->release || !b->copy_in || !b->copy_out || !b->launch)
        return tg__fail(tg, TG__E_NO_DATA, "complete backend (name, alloc, release, copy_in, copy_out, launch)");
    d = &tg->devices[device];
    if (d->open) return tg__fail(tg, TG__E_ARGUMENT, "this device is registered already");
    outer = tg__hook_enter(tg, tg__in_device);
    d->stream = b->open ? b->open(b->user, tg) : NULL;
    tg__hook_leave(tg, outer);
    if (b->open && !d->stream) return tg__fail(tg, TG__E_DEVICE_FAILED, b->name, "open");
    d->backend = *b; d->open = true; d->told = 0;
    return true;
}

TG__PRIVATE void *tg__pool_alloc(void *user, size_t size, size_t align) {
    (void)align;
    return tg__hook_alloc((tg_ctx *)user, size);
}
TG__PRIVATE void tg__pool_release(void *user, void *p, size_t size, size_t align) {
    (void)align;
    tg__hook_release((tg_ctx *)user, p, size);
}

TG_API bool (tg_threads)(tg_ctx *tg, int n) {
    if (!tg__gate(tg)) return false;
    tg->where = "threads";
    if (n < 0 || n > 1024) return tg__fail(tg, TG__E_RANGE, "number of threads", "0 to 1024", (double)n);
    if (n == 0) n = tg__cpu_count();
    if (n > TG__SLOTS) n = TG__SLOTS;
    if (n == tg->threads) return true;
    tg__pool_free(tg->pool);
    tg->pool = NULL; tg->threads = 1;
    if (n > 1) {
        tg__mem m;
        int code = 0;
        m.user = tg; m.alloc = tg__pool_alloc; m.release = tg__pool_release;
        tg->pool = tg__pool_open(&m, n, &code);
        if (!tg->pool)
            return tg__fail(tg, TG__E_THREADS, n,
                code == TG__POOL_UNSUPPORTED ? "this build has none"
                : code == TG__POOL_NEEDS_PTHREAD ? "link with -pthread" : "out of memory or threads");
        tg->threads = n;
    }
    return true;
}
TG_API int tg_threads_used(tg_ctx *tg) { return tg ? tg->threads : 0; }

/* ======================================================================================
   >>impl-passes    the file reads its kernel chapter once per instruction set; which one a context uses
   ====================================================================================== */

/* The formula words are names that others define too (sys/param.h has MAX): they are saved here and come back
   after the last pass. */
#if defined(__GNUC__) || defined(__TINYC__) || defined(_MSC_VER)
#pragma push_macro("NEG")
#pragma push_macro("ABS")
#pragma push_macro("SIGN")
#pragma push_macro("SQRT")
#pragma push_macro("RSQRT")
#pragma push_macro("EXP")
#pragma push_macro("EXP2")
#pragma push_macro("EXPM1")
#pragma push_macro("LOG")
#pragma push_macro("LOG2")
#pragma push_macro("LOG10")
#pragma push_macro("LOG1P")
#pragma push_macro("SIN")
#pragma push_macro("COS")
#pragma push_macro("TAN")
#pragma push_macro("ASIN")
#pragma push_macro("ACOS")
#pragma push_macro("ATAN")
#pragma push_macro("ATAN2")
#pragma push_macro("SINH")
#pragma push_macro("COSH")
#pragma push_macro("TANH")
#pragma push_macro("ASINH")
#pragma push_macro("ACOSH")
#pragma push_macro("ATANH")
#pragma push_macro("ERF")
#pragma push_macro("ERFC")
#pragma push_macro("NDTR")
#pragma push_macro("SIGMOID")
#pragma push_macro("LOGSIGMOID")
#pragma push_macro("SOFTPLUS")
#pragma push_macro("FLOOR")
#pragma push_macro("CEIL")
#pragma push_macro("ROUND")
#pragma push_macro("TRUNC")
#pragma push_macro("FMOD")
#pragma push_macro("REMAINDER")
#pragma push_macro("FLOORDIV")
#pragma push_macro("POW")
#pragma push_macro("ADD")
#pragma push_macro("SUB")
#pragma push_macro("MUL")
#pragma push_macro("DIV")
#pragma push_macro("MAX")
#pragma push_macro("MIN")
#pragma push_macro("SELECT")
#pragma push_macro("EQ")
#pragma push_macro("NE")
#pragma push_macro("LT")
#pragma push_macro("LE")
#pragma push_macro("GT")
#pragma push_macro("GE")
#pragma push_macro("AND")
#pragma push_macro("OR")
#pragma push_macro("XOR")
#pragma push_macro("ISNAN")
#pragma push_macro("ISINF")
#pragma push_macro("ISFINITE")
#pragma push_macro("ZERO")
#pragma push_macro("ONE")
#pragma push_macro("HALF")
#pragma push_macro("K")
#pragma push_macro("P0")
#pragma push_macro("P1")
#pragma push_macro("F1")
#pragma push_macro("F1P")
#pragma push_macro("F2")
#pragma push_macro("F2P")
#pragma push_macro("F3")
#pragma push_macro("F3P")
#pragma push_macro("GELU_TANH")
#pragma push_macro("GELU_U")
#pragma push_macro("GELU_DU")
#pragma push_macro("NEED")
#pragma push_macro("SAME")
#pragma push_macro("NUMERIC")
#pragma push_macro("COUNTING")
#pragma push_macro("FLOATING")
#pragma push_macro("PREDICATE")
#pragma push_macro("CHOOSE")
#pragma push_macro("FLOAT_ONLY")
#pragma push_macro("NONE")
#pragma push_macro("NEED3")
#endif

/* ... and out of the way */
#undef NEG
#undef ABS
#undef SIGN
#undef SQRT
#undef RSQRT
#undef EXP
#undef EXP2
#undef EXPM1
#undef LOG
#undef LOG2
#undef LOG10
#undef LOG1P
#undef SIN
#undef COS
#undef TAN
#undef ASIN
#undef ACOS
#undef ATAN
#undef ATAN2
#undef SINH
#undef COSH
#undef TANH
#undef ASINH
#undef ACOSH
#undef ATANH
#undef ERF
#undef ERFC
#undef NDTR
#undef SIGMOID
#undef LOGSIGMOID
#undef SOFTPLUS
#undef FLOOR
#undef CEIL
#undef ROUND
#undef TRUNC
#undef FMOD
#undef REMAINDER
#undef FLOORDIV
#undef POW
#undef ADD
#undef SUB
#undef MUL
#undef DIV
#undef MAX
#undef MIN
#undef SELECT
#undef EQ
#undef NE
#undef LT
#undef LE
#undef GT
#undef GE
#undef AND
#undef OR
#undef XOR
#undef ISNAN
#undef ISINF
#undef ISFINITE
#undef ZERO
#undef ONE
#undef HALF
#undef K
#undef P0
#undef P1
#undef F1
#undef F1P
#undef F2
#undef F2P
#undef F3
#undef F3P
#undef GELU_TANH
#undef GELU_U
#undef GELU_DU
#undef NEED
#undef SAME
#undef NUMERIC
#undef COUNTING
#undef FLOATING
#undef PREDICATE
#undef CHOOSE
#undef FLOAT_ONLY
#undef NONE
#undef NEED3

#define TG__JOIN_(a, b) a##__##b
#define TG__JOIN(a, b) TG__JOIN_(a, b)
#define TG__FN(name) TG__JOIN(name, TG__PASS)          /* tg__gemm_pack -> tg__gemm_pack__avx2 */

#if TG__HAS_X86 || TG__HAS_NEON
#define TG__TARGET(set) __attribute__((target(set)))   /* for a kernel that needs one extension more than its pass */
#endif

#if defined(TG__ONLY)                                  /* TENSORGRAD_NATIVE: everything may be compiled for that instruction set anyway */
#if defined(TG__ONLY_AVX512)
#define TG__PASS_AVX512 1
enum { TG__ISA_PLAIN = -3, TG__ISA_STRICT = -2, TG__ISA_SCALAR = -2, TG__ISA_AVX2 = -1, TG__ISA_AVX512, TG__PASSES };
#elif defined(TG__ONLY_AVX2)
#define TG__PASS_AVX2 1
enum { TG__ISA_PLAIN = -3, TG__ISA_STRICT = -2, TG__ISA_SCALAR = -2, TG__ISA_AVX512 = -1, TG__ISA_AVX2, TG__PASSES };
#else
#define TG__PASS_NEON 1
enum { TG__ISA_PLAIN = -2, TG__ISA_STRICT = -1, TG__ISA_SCALAR = -1, TG__ISA_NEON, TG__PASSES };
#endif
#define TG__PASS TG__ONLY
#include TENSORGRAD_FILENAME
#define TG__EACH_PASS_(name, pass) TG__JOIN(name, pass)
#define TG__EACH_PASS(name) TG__EACH_PASS_(name, TG__ONLY)
#define TG__EACH_PASS_F64(name) TG__EACH_PASS_(name, TG__ONLY)
#else
/* Where faster passes follow, or quick compiling is asked for, the plain ones are compiled with less
   effort: that takes a fifth off the whole, the bits are the same, and most of them run a tenth slower. */
#if defined(__GNUC__) && !defined(__TINYC__) && !defined(TENSORGRAD_DEBUG) && !defined(__CUDACC__) && \
    (TG__HAS_X86 || TG__HAS_NEON || defined(TENSORGRAD_TEACH))
#define TG__LESS_EFFORT
#if defined(__clang__)
#pragma clang attribute push(__attribute__((minsize)), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC optimize("Og", "no-fast-math", "fp-contract=off")
#endif
#endif
#define TG__PASS plain
#define TG__PASS_PLAIN 1
#include TENSORGRAD_FILENAME
#if TG__HAS_SOFT_FMA
#define TG__PASS strict
#define TG__PASS_STRICT 1
#include TENSORGRAD_FILENAME
#define TG__STRICT_TOO(name) , name##__strict
enum { TG__ISA_PLAIN, TG__ISA_STRICT, TG__ISA_SCALAR = TG__ISA_STRICT };   /* the last without vectors */
#else
#define TG__STRICT_TOO(name)
enum { TG__ISA_STRICT = -1, TG__ISA_PLAIN, TG__ISA_SCALAR = TG__ISA_PLAIN };
#endif
#ifdef TG__LESS_EFFORT
#undef TG__LESS_EFFORT
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

#if TG__HAS_X86
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,bmi,bmi2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c,bmi,bmi2")
#endif
#define TG__PASS avx2
#define TG__PASS_AVX2 1
#include TENSORGRAD_FILENAME
#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,f16c,bmi,bmi2"))), apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,f16c,bmi,bmi2")
#endif
#define TG__PASS avx512
#define TG__PASS_AVX512 1
#include TENSORGRAD_FILENAME
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#define TG__EACH_PASS(name)    name##__plain TG__STRICT_TOO(name), name##__avx2, name##__avx512
#define TG__EACH_PASS_F64(name) name##__plain TG__STRICT_TOO(name), name##__avx2, name##__avx2      /* the map chapter for double */
enum { TG__ISA_AVX2 = TG__ISA_SCALAR + 1, TG__ISA_AVX512, TG__PASSES };
#elif TG__HAS_NEON
#define TG__PASS neon
#define TG__PASS_NEON 1
#include TENSORGRAD_FILENAME
#define TG__EACH_PASS(name)    name##__plain TG__STRICT_TOO(name), name##__neon
#define TG__EACH_PASS_F64(name) name##__plain TG__STRICT_TOO(name), name##__neon
enum { TG__ISA_NEON = TG__ISA_SCALAR + 1, TG__PASSES };
#else
#define TG__EACH_PASS(name)    name##__plain TG__STRICT_TOO(name)
#define TG__EACH_PASS_F64(name) name##__plain TG__STRICT_TOO(name)
enum { TG__PASSES = TG__ISA_SCALAR + 1 };
#endif
#endif

/* TG__KERNEL(void, tg__sum, (int64_t n, ...)) makes the table tg__sum__k with one pointer per pass;
   tg__sum__k[tg->isa] is the one to call. */
#define TG__KERNEL(ret, name, args) static ret (*const name##__k[TG__PASSES]) args = { TG__EACH_PASS(name) }

/* Is the instruction set in this build and on this machine? Writes its index; those that are not in the build
   have negative ones. */
TG__PRIVATE bool tg__isa_find(tg_isa isa, unsigned features, int *index) {
    bool able = true;
    (void)features;
    *index = -1;
    switch (isa) {
        case TG_ISA_BEST:
            *index = TG__ISA_PLAIN;
#if TG__HAS_X86
            if (TG__ISA_AVX2 >= 0 && (features & TG__CPU_AVX2)) *index = TG__ISA_AVX2;
            if (TG__ISA_AVX512 >= 0 && (features & TG__CPU_AVX512)) *index = TG__ISA_AVX512;
#elif TG__HAS_NEON
            *index = TG__ISA_NEON;
#endif
            break;
        case TG_ISA_PLAIN: *index = TG__ISA_PLAIN; break;
#if TG__HAS_X86
        case TG_ISA_AVX2: *index = TG__ISA_AVX2; able = (features & TG__CPU_AVX2) != 0; break;
        case TG_ISA_AVX512: *index = TG__ISA_AVX512; able = (features & TG__CPU_AVX512) != 0; break;
#elif TG__HAS_NEON
        case TG_ISA_NEON: *index = TG__ISA_NEON; break;
#endif
        default: break;
    }
    return able && *index >= 0;
}

TG_API bool tg_isa_supported(tg_isa isa) {
    int index;
    return tg__isa_find(isa, tg__cpu_probe(), &index);
}

TG_API tg_isa tg_isa_used(tg_ctx *tg) {
    if (!tg) return TG_ISA_PLAIN;
#if TG__HAS_X86
    return tg->isa == TG__ISA_AVX512 ? TG_ISA_AVX512 : tg->isa == TG__ISA_AVX2 ? TG_ISA_AVX2 : TG_ISA_PLAIN;
#elif TG__HAS_NEON
    return tg->isa == TG__ISA_NEON ? TG_ISA_NEON : TG_ISA_PLAIN;
#else
    return TG_ISA_PLAIN;
#endif
}
TG_API const char *tg_isa_name(tg_ctx *tg) {
    switch (tg_isa_used(tg)) {
        case TG_ISA_AVX2: return "avx2";
        case TG_ISA_AVX512: return "avx512";
        case TG_ISA_NEON: return "neon";
        default: return tg && tg->isa == TG__ISA_STRICT ? "plain, software fma" : "plain";
    }
}

/* ======================================================================================
   >>impl-tensor    opening and closing; scopes; headers and storages; shapes, strides, dtypes
   ====================================================================================== */

/* Tests by bits: they hold under -ffast-math. */
TG__PRIVATE bool tg__is_nan(double v) { return (tg__bits64(v) & 0x7fffffffffffffffu) > 0x7ff0000000000000u; }
TG__PRIVATE bool tg__is_finite(double v) { return (tg__bits64(v) & 0x7ff0000000000000u) != 0x7ff0000000000000u; }
TG__PRIVATE double tg__nan(void) { return tg__double(0x7ff8000000000000u); }
TG__PRIVATE double tg__inf(void) { return tg__double(0x7ff0000000000000u); }

/* ---- dtypes ---- */
#define TG__BLOCK 32                                   /* elements of a quantised block */
TG__PRIVATE bool tg__is_block(tg_dtype d) { return d == TG_Q8_0 || d == TG_Q4_0; }
TG_API size_t tg_dtype_size(tg_dtype d) {
    static const unsigned char sizes[TG_DTYPES] = { 4, 8, 2, 2, 8, 4, 2, 1, 1, 1 };
    return (unsigned)d < TG_DTYPES ? sizes[d] : 0;
}
TG_API size_t tg_dtype_bytes(tg_dtype d, int64_t count) {
    if (count < 0) return 0;
    return tg__is_block(d) ? (size_t)(count / TG__BLOCK) * (d == TG_Q8_0 ? 34 : 18) : (size_t)count * tg_dtype_size(d);
}
TG_API const char *tg_dtype_name(tg_dtype d) {
    static const char *const names[TG_DTYPES] =
        { "f32", "f64", "f16", "bf16", "i64", "i32", "i16", "i8", "u8", "bool" };
    return (unsigned)d < TG_DTYPES ? names[d] : d == TG_Q8_0 ? "q8_0" : d == TG_Q4_0 ? "q4_0" : "?";
}
TG_API bool tg_dtype_is_float(tg_dtype d) { return (unsigned)d <= TG_BF16; }

/* torch.promote_types: floats beat integers beat bool; f16 with bf16 is f32; u8 with a signed type is the
   next signed type that holds both. */
TG_API tg_dtype tg_dtype_promote(tg_dtype a, tg_dtype b) {
    tg_dtype t;
    if (a == b) return a;
    if (a > b) { t = a; a = b; b = t; }                       /* the enum runs from strong to weak */
    if (tg_dtype_is_float(a)) {
        if (!tg_dtype_is_float(b)) return a;
        return a == TG_F64 || b == TG_F64 ? TG_F64 : TG_F32;  /* f32 with anything, f16 with bf16 */
    }
    if (b == TG_U8) return a == TG_I8 ? TG_I16 : a;
    return a;
}

TG_API uint16_t tg_bf16_from_f32(float v)    { return tg__to_bf16(v); }
TG_API float    tg_f32_from_bf16(uint16_t v) { return tg__float((uint32_t)v << 16); }
TG_API float    tg_f32_from_f16(uint16_t h)  { return tg__from_half(h); }
TG_API uint16_t tg_f16_from_f32(float v)     { return tg__to_half(v); }

/* One element as a double or an int64, and back with C's wrapping for integers; floats that no integer holds
   become INT64_MIN. */
TG__PRIVATE int64_t tg__int_of(double v) {
    return v >= -9223372036854775808.0 && v < 9223372036854775808.0 ? (int64_t)v : INT64_MIN;
}
TG__PRIVATE double tg__get_f64(const void *p, tg_dtype d) {
    switch (d) {
        case TG_F32: { float v; memcpy(&v, p, 4); return v; }
        case TG_F64: { double v; memcpy(&v, p, 8); return v; }
        case TG_F16: { uint16_t v; memcpy(&v, p, 2); return tg_f32_from_f16(v); }
        case TG_BF16: { uint16_t v; memcpy(&v, p, 2); return tg_f32_from_bf16(v); }
        case TG_I64: { int64_t v; memcpy(&v, p, 8); return (double)v; }
        case TG_I32: { int32_t v; memcpy(&v, p, 4); return v; }
        case TG_I16: { int16_t v; memcpy(&v, p, 2); return v; }
        case TG_I8: return *(const int8_t *)p;
        case TG_U8: return *(const uint8_t *)p;
        default: return *(const uint8_t *)p != 0;
    }
}
TG__PRIVATE int64_t tg__get_i64(const void *p, tg_dtype d) {
    if (d == TG_I64) { int64_t v; memcpy(&v, p, 8); return v; }
    return tg__int_of(tg__get_f64(p, d));
}
TG__PRIVATE void tg__put_scalar(void *p, tg_dtype d, double f, int64_t i, bool is_int) {
    if (is_int && d <= TG_BF16) f = (double)i;
    if (!is_int && d > TG_BF16) i = d == TG_BOOL ? tg__is_nan(f) || f < 0 || f > 0 : tg__int_of(f);
    switch (d) {
        case TG_F32: { float v = (float)f; memcpy(p, &v, 4); break; }
        case TG_F64: memcpy(p, &f, 8); break;
        case TG_F16: { uint16_t v = tg_f16_from_f32((float)f); memcpy(p, &v, 2); break; }
        case TG_BF16: { uint16_t v = tg_bf16_from_f32((float)f); memcpy(p, &v, 2); break; }
        case TG_I64: memcpy(p, &i, 8); break;
        case TG_I32: { uint32_t v = (uint32_t)(uint64_t)i; memcpy(p, &v, 4); break; }
        case TG_I16: { uint16_t v = (uint16_t)(uint64_t)i; memcpy(p, &v, 2); break; }
        case TG_I8: case TG_U8: *(uint8_t *)p = (uint8_t)(uint64_t)i; break;
        default: *(uint8_t *)p = i != 0; break;
    }
}

/* ---- headers and storages ----
   A fresh tensor is one block: header, storage struct, and the data too where it is small. A view is a header
   alone. Headers that ended wait in the ring, so that a use after the scope's end is found; a block is freed
   when its header left the ring and no view uses its storage any more. */
#define TG__INLINE_DATA 512
#define TG__EMBED_SIZE TG__ROUND_UP(sizeof(tg_tensor) + sizeof(tg__storage), TG__ALIGN)

struct tg__shared {                        /* a storage that several contexts hold; 64 bytes before its data */
    volatile uint32_t holders;
    size_t size;
    void  *user;
    void (*release)(void *user, void *p, size_t size, size_t align);
};

TG__PRIVATE void tg__node_drop(tg_ctx *tg, tg__node *n);
TG__PRIVATE void tg__node_forget(tg__node *n, tg_tensor *t);

TG__PRIVATE void tg__shared_drop(tg__shared *s) {
    if (tg__atomic_add(&s->holders, (uint32_t)-1) == 0) s->release(s->user, s, s->size, TG__ALIGN);
}

/* The context holds the shared storage, or no longer. */
TG__PRIVATE void tg__shared_join(tg_ctx *tg, tg__storage *s, tg__shared *b) {
    s->shared = b;
    s->prev_shared = NULL; s->next_shared = tg->shared_list;
    if (tg->shared_list) tg->shared_list->prev_shared = s;
    tg->shared_list = s;
}
TG__PRIVATE void tg__shared_leave(tg_ctx *tg, tg__storage *s) {
    const char *outer;
    if (s->prev_shared) s->prev_shared->next_shared = s->next_shared; else tg->shared_list = s->next_shared;
    if (s->next_shared) s->next_shared->prev_shared = s->prev_shared;
    outer = tg__hook_enter(tg, tg__in_memory);
    tg__shared_drop(s->shared);
    tg__hook_leave(tg, outer);
}

TG__PRIVATE void tg__block_free(tg_ctx *tg, tg_tensor *t) {        /* the memory of a header that left the ring */
    if (t->inline_storage) {
        tg__storage *s = (tg__storage *)(t + 1);
        s->pinned = false;
        if (s->users) return;        /* a view still needs it; the last one frees it */
        tg__mem_put(tg, t, TG__EMBED_SIZE + s->inline_bytes);
    } else tg__mem_put(tg, t, sizeof(tg_tensor));
}

TG__PRIVATE void tg__storage_leave(tg__storage *s, tg_tensor *t) {
    if (t->prev_alias) t->prev_alias->next_alias = t->next_alias; else s->headers = t->next_alias;
    if (t->next_alias) t->next_alias->prev_alias = t->prev_alias;
    s->users--;
}
TG__PRIVATE void tg__device_release(tg_ctx *tg, tg__storage *s) {
    struct tg__device *d = &tg->devices[s->device];
    const char *outer = tg__hook_enter(tg, tg__in_device);
    if (s->prev_shared) s->prev_shared->next_shared = s->next_shared; else d->storages = s->next_shared;
    if (s->next_shared) s->next_shared->prev_shared = s->prev_shared;
    d->backend.release(d->backend.user, d->stream, s->data, s->bytes);
    tg__hook_leave(tg, outer);
}
TG__PRIVATE void tg__storage_drop(tg_ctx *tg, tg__storage *s, tg_tensor *t) {
    tg__storage_leave(s, t);
    if (s->users) return;
    if (s->shared) tg__shared_leave(tg, s);
    else if (s->own_block) {
        tg->memory.tensors -= s->bytes;
        if (s->device != TG_CPU) tg__device_release(tg, s);
        else tg__mem_put(tg, s->data, s->bytes);
    } else if (!s->borrowed) tg->memory.tensors -= s->bytes;
    if (!s->pinned) tg__block_free(tg, s->embedder);
}

TG__PRIVATE void tg__let_go(tg_tensor **place);
TG__PRIVATE void tg__tensor_drop(tg_tensor *t) {                   /* one count less; NULL is fine */
    tg_ctx *tg;
    if (!t || --t->count) return;
    tg = t->tg;
    tg__let_go(&t->grad);
    if (t->node) { tg__node *n = t->node; t->node = NULL; tg__node_forget(n, t); tg__node_drop(tg, n); }
    tg__let_go(&t->base);
    tg__let_go(&t->inner);
    if (t->name) {
        char *name = (char *)(uintptr_t)t->name;
        t->name = NULL;
        tg__mem_put(tg, name, strlen(name) + 1);
    }
    t->alive = false;
    t->data = NULL;
    tg->memory.live_tensors--;
    { tg__storage *s = t->storage; t->storage = NULL; tg__storage_drop(tg, s, t); }
#ifndef TENSORGRAD_DEBUG
    {
        tg_tensor **at = &tg->ring[tg->ring_at++ % TG__RING], *old = *at;
        *at = t;
        if (old) tg__block_free(tg, old);
    }
#endif
}

/* Empties a place that holds a tensor. It is empty before the tensor goes: that may lead back here. */
TG__PRIVATE void tg__let_go(tg_tensor **place) {
    tg_tensor *t = *place;
    *place = NULL;
    tg__tensor_drop(t);
}

TG__PRIVATE tg_tensor *tg__header_fill(tg_ctx *tg, tg_tensor *t) {
    /* field by field: gcc makes of a memset this size a `rep stos`, which takes longer than all the rest.
       Sizes and strides past ndim are nobody's business. */
    t->tg = tg; t->data = t->place = NULL; t->numel = 0; t->grad = NULL; t->name = NULL;
    t->ndim = 0; t->dtype = TG_F32; t->device = TG_CPU;
    t->requires_grad = t->is_number = t->inline_storage = t->unrecorded = t->off_record = false; t->alive = true;
    t->opaque = 0; t->sparse_grad = false; t->inner = NULL;
    t->count = 1; t->kept = t->out_index = t->rebased = 0;
    t->node = NULL; t->storage = NULL; t->base = t->next_alias = t->prev_alias = NULL; t->made_by = NULL;
    tg->memory.live_tensors++;
    return t;
}

TG__PRIVATE void tg__storage_take(tg__storage *s, tg_tensor *t) {
    t->storage = s; s->users++;
    t->next_alias = s->headers; t->prev_alias = NULL;
    if (s->headers) s->headers->prev_alias = t;
    s->headers = t;
}

/* Checks dtype and shape, counts the elements. */
TG__PRIVATE bool tg__check_shape(tg_ctx *tg, tg_dtype dtype, int ndim, const int64_t *shape, int64_t *numel) {
    int64_t n = 1, bytes;
    bool empty = false;
    int i;
    if ((unsigned)dtype >= TG_DTYPES && !tg__is_block(dtype)) return tg__fail(tg, TG__E_DTYPE_UNKNOWN, (int)dtype);
    if (ndim < 0 || ndim > TG_MAX_DIMS) return tg__fail(tg, TG__E_NDIM, ndim);
    if (ndim && !shape) return tg__fail(tg, TG__E_NO_DATA, "shape");
    for (i = 0; i < ndim; i++) {
        if (shape[i] < 0) return tg__fail(tg, TG__E_SIZE, shape[i], i);
        if (shape[i] == 0) empty = true;
    }
    /* strides count the other sizes of an empty tensor too */
    for (i = 0; i < ndim; i++)
        if (shape[i] && !tg__mul_i64(n, shape[i], &n)) return tg__fail(tg, TG__E_TOO_LARGE, ndim, shape);
    if (tg__is_block(dtype) && (ndim == 0 || shape[ndim - 1] % TG__BLOCK))
        return tg__fail(tg, TG__E_BLOCKS, ndim, shape, (int64_t)TG__BLOCK, (int)dtype);
    if (!tg__mul_i64(n, tg__is_block(dtype) ? 2 : (int64_t)tg_dtype_size(dtype), &bytes) || (uint64_t)bytes > (uint64_t)(SIZE_MAX / 4))
        return tg__fail(tg, TG__E_TOO_LARGE, ndim, shape);
    *numel = empty ? 0 : n;
    return true;
}

TG__PRIVATE void tg__dense_strides(int ndim, const int64_t *shape, int64_t *stride) {
    int64_t s = 1;
    int i;
    for (i = ndim - 1; i >= 0; i--) { stride[i] = s; s *= shape[i] > 1 ? shape[i] : 1; }
}

TG__PRIVATE bool tg__stride_order(const tg_tensor *t, int *order);
/* A fresh tensor with its own memory and a count of one that the caller owns. `order` NULL: row-major; else
   the dimensions from outermost to innermost. */
TG__PRIVATE tg_tensor *tg__tensor_make(tg_ctx *tg, tg_device device, tg_dtype dtype,
    int ndim, const int64_t *shape, const int *order) {
    int64_t numel, stride = 1;
    size_t bytes;
    tg_tensor *t;
    tg__storage *s;
    int i;
    if (!tg__check_shape(tg, dtype, ndim, shape, &numel)) return NULL;
    bytes = tg_dtype_bytes(dtype, numel);
    t = (tg_tensor *)tg__mem_get(tg, TG__EMBED_SIZE + (bytes <= TG__INLINE_DATA && device == TG_CPU ? bytes : 0));
    if (!t) return NULL;
    s = (tg__storage *)(t + 1);
    s->tg = tg; s->data = NULL; s->bytes = bytes; s->headers = NULL; s->shared = NULL; s->embedder = t;
    s->users = 0; s->version = 0; s->pinned = true; s->borrowed = s->own_block = false;
    s->device = device; s->inline_bytes = 0; s->next_shared = s->prev_shared = NULL;
    s->written_by = NULL; s->written_at.file = NULL; s->written_at.line = 0;
    if (device != TG_CPU) {
        struct tg__device *d = &tg->devices[device];
        const char *outer = tg__hook_enter(tg, tg__in_device);
        s->data = d->open ? d->backend.alloc(d->backend.user, d->stream, bytes ? bytes : 1) : NULL;
        tg__hook_leave(tg, outer);
        s->own_block = true;
        if (!s->data) {
            tg__mem_put(tg, t, TG__EMBED_SIZE);
            (void)(d->open ? tg__fail_memory(tg, bytes) : tg__fail(tg, TG__E_DEVICE, (int)device));
            return NULL;
        }
        s->next_shared = d->storages;
        if (d->storages) d->storages->prev_shared = s;
        d->storages = s;
    } else if (bytes <= TG__INLINE_DATA) { s->data = (char *)t + TG__EMBED_SIZE; s->inline_bytes = bytes; }
    else {
        s->data = tg__mem_get(tg, bytes);
        s->own_block = true;
        if (!s->data) { tg__mem_put(tg, t, TG__EMBED_SIZE); return NULL; }
    }
    tg->memory.tensors += bytes;
    tg__header_fill(tg, t);
    t->inline_storage = true;
    t->place = s->data;
    t->data = device == TG_CPU ? s->data : NULL;
    t->numel = numel; t->ndim = ndim; t->dtype = dtype; t->device = device;
    t->opaque = tg__is_block(dtype) ? TG__BLOCKS : 0;
    for (i = ndim - 1; i >= 0; i--) {
        int d = order ? order[i] : i;
        t->shape[d] = shape[d]; t->stride[d] = stride;
        stride *= shape[d] > 1 ? shape[d] : 1;
    }
    tg__storage_take(s, t);
    return t;
}

/* A fresh tensor of like's shape and dense stride order. */
TG__PRIVATE tg_tensor *tg__tensor_make_like(tg_ctx *tg, tg_device device, tg_dtype dtype, const tg_tensor *like) {
    int order[TG_MAX_DIMS];
    bool has = tg__stride_order(like, order);
    return tg__tensor_make(tg, device, dtype, like->ndim, like->shape, has ? order : NULL);
}

/* Another header over t's storage: shape and strides are the caller's to change. Outside the graph; the
   caller owns the count. */
TG__PRIVATE tg_tensor *tg__alias(tg_tensor *t) {
    tg_ctx *tg = t->tg;
    tg_tensor *v = (tg_tensor *)tg__mem_get(tg, sizeof(tg_tensor));
    if (!v) return NULL;
    tg__header_fill(tg, v);
    v->data = t->data; v->place = t->place; v->numel = t->numel; v->ndim = t->ndim; v->dtype = t->dtype;
    v->device = t->device; v->opaque = t->opaque;
    memcpy(v->shape, t->shape, sizeof v->shape[0] * (size_t)t->ndim);
    memcpy(v->stride, t->stride, sizeof v->stride[0] * (size_t)t->ndim);
    v->made_by = t->made_by;
    tg__storage_take(t->storage, v);
    return v;
}

/* ---- scopes ---- */
/* Gives the count that the caller owns to the innermost scope. On failure the tensor is dropped. */
TG__PRIVATE tg_tensor *tg__hold(tg_ctx *tg, tg_tensor *t) {
    if (!t) return NULL;
    if (tg->held_count == tg->held_room) {
        size_t room = tg->held_room ? tg->held_room * 2 : 256;
        tg_tensor **p = (tg_tensor **)tg__mem_resize(tg, tg->held, tg->held_room * sizeof *p, room * sizeof *p);
        if (!p) { tg__tensor_drop(t); return NULL; }
        tg->held = p; tg->held_room = room;
    }
    tg->held[tg->held_count++] = t;
    if (TG__RARE(tg->depth == 0 && tg->held_count == 100000 && !tg->root_told)) {
        tg->root_told = true;
        tg__log(tg, TG_LOG_WARNING,
            "100000 tensors are held by the root scope until tg_close; put tg_begin and tg_end around a step");
    }
    return t;
}

TG_API tg_mark tg_begin(tg_ctx *tg) {
    tg_mark m;
    m.depth = m.serial = 0;
    if (!tg || tg__inside(tg, "begin")) return m;
    if (tg->depth == tg->depth_room) {
        uint32_t room = tg->depth_room ? tg->depth_room * 2 : 16;
        tg__scope *p = (tg__scope *)tg__mem_resize(tg, tg->scopes, tg->depth_room * sizeof *p, room * sizeof *p);
        if (!p) return m;            /* the error is pending; tg_end of an empty mark does nothing */
        tg->scopes = p; tg->depth_room = room;
    }
    tg->scopes[tg->depth].held = tg->held_count;
    tg->scopes[tg->depth].serial = ++tg->serial;
    m.depth = ++tg->depth; m.serial = tg->serial;
    return m;
}
TG_API void tg_end(tg_ctx *tg, tg_mark m) {
    size_t to;
    /* ended already with an outer scope */
    if (!tg || m.depth == 0 || m.depth > tg->depth || tg->scopes[m.depth - 1].serial != m.serial) return;
    if (tg__inside(tg, "end")) return;
    if (TG__RARE(m.depth <= tg->floor)) { tg->where = "end"; (void)tg__fail(tg, TG__E_CALLBACK_SCOPE); return; }
    to = tg->scopes[m.depth - 1].held;
    tg->depth = m.depth - 1;
    while (tg->held_count > to) tg__tensor_drop(tg->held[--tg->held_count]);
}
/* The scopes' counts and the user's are told apart, so that a drop too many takes nothing from anybody. These
   two are no operations: the pending error, if there is one, stays, and so does the name of the running call. */
TG__NOINLINE void tg__keep_fail(tg_tensor *t, const char *name) {
    tg_ctx *tg = t->tg;
    const char *where = tg->where, *by = t->made_by ? t->made_by : "a creation";
    tg->where = name;
    (void)(t->alive ? tg__fail(tg, TG__E_NOT_KEPT, t, by) : tg__fail(tg, TG__E_GONE, t, by));
    tg->where = where;
}
TG_API tg_tensor *(tg_keep)(tg_tensor *t) {
    if (!t) return NULL;
    if (!t->alive) { tg__keep_fail(t, "keep"); return NULL; }
    t->count++; t->kept++;
    return t;
}
TG_API void (tg_drop)(tg_tensor *t) {
    if (!t) return;
    if (!t->alive || t->kept == 0) { tg__keep_fail(t, "drop"); return; }
    if (tg__inside(t->tg, "drop")) return;
    t->kept--;
    tg__tensor_drop(t);
}
TG_API tg_tensor *tg_end_with(tg_ctx *tg, tg_mark m, tg_tensor *t) {
    bool ours = t && t->alive && t->tg == tg;
    if (tg && tg__inside(tg, "end_with")) return NULL;
    if (ours) t->count++;
    tg_end(tg, m);
    return ours ? tg__hold(tg, t) : NULL;
}

/* ---- operands ---- */
/* Outputs are NULL before anything can fail. */
TG__PRIVATE void tg__no_results(tg_tensor **list, int n) {
    int i;
    for (i = 0; list && i < n; i++) list[i] = NULL;
}
/* The place of a call with options; without one none is noted, which is better than that of an older call. */
TG__PRIVATE void tg__note(tg_tensor *t, tg_place at) { (void)tg__at(t, at.file, at.line); }
/* is operand i there, alive and of this context? Its numbers may be opaque. */
TG__PRIVATE bool tg__use_any(tg_ctx *tg, const tg_tensor *t, int i) {
    if (TG__RARE(!t)) return tg__fail(tg, TG__E_NULL, i);
    if (TG__RARE(!t->alive)) return tg__fail(tg, TG__E_DEAD, i, t->made_by ? t->made_by : "a creation");
    if (TG__RARE(t->tg != tg)) return tg__fail(tg, TG__E_CONTEXT, i);
    return true;
}
TG__PRIVATE bool tg__use(tg_ctx *tg, const tg_tensor *t, int i) {
    if (!tg__use_any(tg, t, i)) return false;
    return !TG__RARE(t->opaque) || t->opaque == TG__LANES ||
        tg__fail(tg, TG__E_OPAQUE, i, t, t->opaque == TG__SPARSE ? "row-sparse; tg_to_dense it first" : "block-quantised; tg_to a floating type first");
}
/* The start of a public function that takes one tensor: its context if the call may go on, else NULL. _any: block-
   quantised ones too. */
TG__PRIVATE tg_ctx *tg__start_any(tg_tensor *t, const char *name) {
    tg_ctx *tg = t ? t->tg : NULL;
    if (!tg__gate(tg)) return NULL;
    tg->where = name;
    return (t->opaque == TG__SPARSE ? tg__use : tg__use_any)(tg, t, 0) ? tg : NULL;
}
TG__PRIVATE tg_ctx *tg__start(tg_tensor *t, const char *name) {
    tg_ctx *tg = t ? t->tg : NULL;
    if (!tg__gate(tg)) return NULL;
    tg__name(tg, name);
    return tg__use(tg, t, 0) ? tg : NULL;
}

/* The same for two tensors: the error goes to whichever context there is. */
TG__PRIVATE tg_ctx *tg__start2(tg_tensor *a, tg_tensor *b, const char *name) {
    tg_ctx *tg = a ? a->tg : b ? b->tg : NULL;
    if (!tg__gate(tg)) return NULL;
    tg__name(tg, name);
    return tg__use(tg, a, 0) && tg__use(tg, b, 1) ? tg : NULL;
}

/* The same for a list: every entry must be there. */
TG__PRIVATE tg_ctx *tg__start_list(tg_tensor *const *list, int n, const char *name) {
    tg_ctx *tg = NULL;
    int i;
    for (i = 0; i < n && !tg; i++) if (list[i]) tg = list[i]->tg;
    if (!tg__gate(tg)) return NULL;
    tg__name(tg, name);
    for (i = 0; i < n; i++) if (!tg__use(tg, list[i], i)) return NULL;
    return tg;
}

TG__PRIVATE bool tg__frozen(const tg_tensor *t) {
    return t->storage->shared && tg__atomic_load(&t->storage->shared->holders) > 1;
}
/* ---- which elements share memory? ----
   A write in place asks that of the written tensor, and of it and every operand that is read. Two elements are
   in one place when a sum of steps comes out right: exact, by search from the largest step down, which for
   strides that nest (nearly all) takes one or two tries a dimension. Others could take forever: that many tries
   are made and no more. */
#define TG__SEARCH 4096
typedef enum tg__meeting { TG__MEET_NOT, TG__MEET_SOME, TG__MEET_SAME, TG__MEET_UNKNOWN } tg__meeting;
typedef struct tg__steps {
    int64_t step[2 * TG_MAX_DIMS + 1], top[2 * TG_MAX_DIMS + 1],   /* 0 <= x[k] <= top[k]; the largest step first */
            most[2 * TG_MAX_DIMS + 2], gcd[2 * TG_MAX_DIMS + 2];   /* of step k and all later ones */
    int n, tries;
} tg__steps;

/* Adds step * x to the left side of an equation whose right side is *sum. */
TG__PRIVATE void tg__steps_add(tg__steps *s, int64_t step, int64_t top, int64_t *sum) {
    int k;
    if (step == 0 || top <= 0) return;
    if (step < 0) { step = -step; *sum += step * top; }                /* top - x in place of x */
    for (k = s->n; k > 0 && s->step[k - 1] <= step; k--)
        if (s->step[k - 1] == step) { s->top[k - 1] += top; return; }
    memmove(&s->step[k + 1], &s->step[k], (size_t)(s->n - k) * sizeof s->step[0]);
    memmove(&s->top[k + 1], &s->top[k], (size_t)(s->n - k) * sizeof s->top[0]);
    s->step[k] = step; s->top[k] = top; s->n++;
}
TG__PRIVATE tg__meeting tg__steps_reach(tg__steps *s, int k, int64_t sum) {
    int64_t x, low;
    if (sum < 0 || sum > s->most[k]) return TG__MEET_NOT;
    if (sum == 0) return TG__MEET_SOME;                                   /* every x is 0 */
    if (sum % s->gcd[k]) return TG__MEET_NOT;
    if (s->tries-- <= 0) return TG__MEET_UNKNOWN;
    low = sum > s->most[k + 1] ? (sum - s->most[k + 1] - 1) / s->step[k] + 1 : 0;
    x = sum / s->step[k];
    if (x > s->top[k]) x = s->top[k];
    for (; x >= low; x--) {
        tg__meeting r = tg__steps_reach(s, k + 1, sum - x * s->step[k]);
        if (r != TG__MEET_NOT) return r;
    }
    return TG__MEET_NOT;
}
/* Do some x within their bounds make the sum of step[k] * x[k] come out as `sum`? */
TG__PRIVATE tg__meeting tg__steps_solve(tg__steps *s, int64_t sum) {
    int k;
    s->most[s->n] = s->gcd[s->n] = 0;
    for (k = s->n - 1; k >= 0; k--) {
        int64_t a = s->step[k], b = s->gcd[k + 1];
        while (b) { int64_t r = a % b; a = b; b = r; }
        s->gcd[k] = a;
        s->most[k] = s->most[k + 1] + s->step[k] * s->top[k];
    }
    return tg__steps_reach(s, 0, sum);
}

/* Does t name one element twice? Only where strides do not nest in the order of the dimensions. */
TG__NOINLINE tg__meeting tg__repeats(const tg_tensor *t) {
    int64_t step[TG_MAX_DIMS], size[TG_MAX_DIMS], rest = 0;
    tg__steps s;
    int i, j, n = 0;
    for (i = 0; i < t->ndim; i++) {                                    /* the largest step first */
        int64_t a = t->stride[i] < 0 ? -t->stride[i] : t->stride[i];
        if (t->shape[i] <= 1) continue;
        if (a == 0) return TG__MEET_SOME;
        for (j = n++; j > 0 && step[j - 1] < a; j--) { step[j] = step[j - 1]; size[j] = size[j - 1]; }
        step[j] = a; size[j] = t->shape[i];
    }
    s.tries = TG__SEARCH;
    /* two indices that meet differ first in dimension i, by 1 at least; in the later ones by anything */
    for (i = n - 1; i >= 0; i--) {
        tg__meeting r;
        int64_t sum = rest - step[i];
        if (sum >= 0) {
            s.n = 0;
            tg__steps_add(&s, step[i], size[i] - 2, &sum);
            for (j = i + 1; j < n; j++) tg__steps_add(&s, step[j], 2 * (size[j] - 1), &sum);
            r = tg__steps_solve(&s, sum);
            if (r != TG__MEET_NOT) return r;
        }
        rest += step[i] * (size[i] - 1);
    }
    return TG__MEET_NOT;
}

/* The range of t's elements in memory, counted in elements from its first: low <= 0 < high (both 0 where there
   are none). */
TG__PRIVATE void tg__extent(const tg_tensor *t, int64_t *low, int64_t *high) {
    int i;
    *low = 0; *high = 0;
    for (i = 0; i < t->ndim; i++) {
        int64_t d = t->numel && t->shape[i] > 1 ? (t->shape[i] - 1) * t->stride[i] : 0;
        if (t->shape[i] == 0) { *low = *high = 0; return; }
        if (d < 0) *low += d; else *high += d;
    }
    *high += 1;
}
/* The same element at every index, b being broadcast to a? */
TG__PRIVATE bool tg__same_elements(const tg_tensor *a, const tg_tensor *b) {
    int i, j;
    if (a->place != b->place || a->dtype != b->dtype || a->numel != b->numel) return false;
    for (i = a->ndim - 1, j = b->ndim - 1; i >= 0 && j >= 0; i--, j--)
        if (a->shape[i] != b->shape[j] || (a->shape[i] > 1 && a->stride[i] != b->stride[j])) return false;
    return true;
}
TG__NOINLINE tg__meeting tg__meet_slow(const tg_tensor *a, const tg_tensor *b) {
    int64_t al, ah, bl, bh, as = (int64_t)tg_dtype_size(a->dtype), bs = (int64_t)tg_dtype_size(b->dtype), sum, unit = as;
    const char *pa = (const char *)a->place, *pb = (const char *)b->place;
    tg__steps s;
    int i;
    if (!pa || !pb || a->device != b->device) return TG__MEET_NOT;
    if (a->opaque || b->opaque) return pa == pb && a->opaque == b->opaque ? TG__MEET_SAME : TG__MEET_UNKNOWN;   /* no element has a place */
    tg__extent(a, &al, &ah); tg__extent(b, &bl, &bh);
    if (al == ah || bl == bh || pa + al * as >= pb + bh * bs || pb + bl * bs >= pa + ah * as) return TG__MEET_NOT;
    if (a->storage == b->storage && tg__same_elements(a, b)) return TG__MEET_SAME;
    sum = pb - pa;
    s.n = 0; s.tries = TG__SEARCH;
    if (as == bs && sum % as == 0) sum /= as;
    else {                                                             /* in bytes: elements that meet may begin apart */
        unit = 1;
        sum -= as - 1;
        tg__steps_add(&s, -1, as + bs - 2, &sum);
    }
    for (i = 0; i < a->ndim; i++) tg__steps_add(&s, a->stride[i] * (as / unit), a->shape[i] - 1, &sum);
    for (i = 0; i < b->ndim; i++) tg__steps_add(&s, -b->stride[i] * (bs / unit), b->shape[i] - 1, &sum);
    return tg__steps_solve(&s, sum);
}
/* Which elements do a, about to be written, and b share? TG__MEET_SAME: every one, at its own index. Storages first,
   so that two tensors of their own pay nothing; memory of the caller's can be in several. */
TG__INLINE tg__meeting tg__meet(const tg_tensor *a, const tg_tensor *b) {
    if (a == b) return TG__MEET_SAME;
    if (a->storage != b->storage && a->storage && b->storage && !a->storage->borrowed && !b->storage->borrowed)
        return TG__MEET_NOT;
    return tg__meet_slow(a, b);
}

TG__PRIVATE bool tg__writable(tg_ctx *tg, tg_tensor *t) {
    int64_t reach = 0;
    int i;
    if (TG__RARE(tg__frozen(t))) return tg__fail(tg, TG__E_FROZEN, t);
    if (t->numel == 0) return true;
    for (i = t->ndim - 1; i >= 0; i--) {                               /* strides that nest, each past all later ones? */
        int64_t s = t->stride[i] < 0 ? -t->stride[i] : t->stride[i];
        if (t->shape[i] == 1) continue;
        if (TG__RARE(s <= reach)) return tg__repeats(t) == TG__MEET_NOT || tg__fail(tg, TG__E_INPLACE_OVERLAP, t);
        reach += s * (t->shape[i] - 1);
    }
    return true;
}

TG__PRIVATE bool tg__wrap_dim(tg_ctx *tg, const tg_tensor *t, int64_t *dim, int ndim) {
    int64_t n = ndim > 0 ? ndim : 1;                               /* a scalar takes 0 and -1, as torch */
    if (*dim < -n || *dim >= n) return tg__fail(tg, TG__E_DIM, *dim, t, -n, n - 1);
    if (*dim < 0) *dim += n;
    return true;
}

TG__PRIVATE bool tg__is_dense(const tg_tensor *t) {                    /* row-major without holes */
    int64_t s = 1;
    int i;
    if (t->numel == 0) return true;
    for (i = t->ndim - 1; i >= 0; i--) {
        if (t->shape[i] != 1 && t->stride[i] != s) return false;
        s *= t->shape[i];
    }
    return true;
}
TG_API bool (tg_is_contiguous)(tg_tensor *t) { return t && t->alive && tg__is_dense(t); }

TG__PRIVATE bool tg__same_shape(const tg_tensor *a, const tg_tensor *b) {
    int i;
    if (a->ndim != b->ndim) return false;
    for (i = 0; i < a->ndim; i++) if (a->shape[i] != b->shape[i]) return false;
    return true;
}

/* equal sizes except along `dim` */
TG__PRIVATE bool tg__same_but(const tg_tensor *a, const tg_tensor *b, int dim) {
    int i;
    if (a->ndim != b->ndim) return false;
    for (i = 0; i < a->ndim; i++) if (i != dim && a->shape[i] != b->shape[i]) return false;
    return true;
}
TG__PRIVATE bool tg__same_layout(const tg_tensor *a, const tg_tensor *b) {
    int i;
    if (a->ndim != b->ndim) return false;
    for (i = 0; i < a->ndim; i++) if (a->shape[i] != b->shape[i] || a->stride[i] != b->stride[i]) return false;
    return true;
}

/* The dimensions of t from outermost to innermost by stride, as torch's elementwise results keep them; false
   where t is row-major. Dimensions of stride 0 or of equal strides stay where they are. */
TG__PRIVATE bool tg__stride_order(const tg_tensor *t, int *order) {
    int i, j, n = t->ndim;
    if (tg__is_dense(t)) return false;
    for (i = 0; i < n; i++) order[i] = i;
    /* sink dimension order[i] inwards past the larger strides */
    for (i = n - 2; i >= 0; i--) {
        int at = i;
        for (j = i + 1; j < n; j++) {
            int64_t a = t->stride[order[at]], b = t->stride[order[j]];
            if (t->shape[order[at]] == 1 || t->shape[order[j]] == 1) continue;
            if (a < 0) a = -a;
            if (b < 0) b = -b;
            if (a == 0 || b == 0 || a == b) continue;
            if (a > b) break;
            { int o = order[at]; order[at] = order[j]; order[j] = o; at = j; }
        }
    }
    return true;
}

/* ---- opening and closing ---- */
#ifndef TENSORGRAD_NO_STDIO
#include <stdio.h>
#endif
#include <stdlib.h>

/* malloc promises 16 bytes; the pointer that it gave stands before the aligned block */
TG__PRIVATE void *tg__default_alloc(void *user, size_t size, size_t align) {
    char *p, *q;
    (void)user;
    if (size > SIZE_MAX - align - sizeof(void *)) return NULL;
    p = (char *)malloc(size + align + sizeof(void *));
    if (!p) return NULL;
    q = (char *)(((uintptr_t)p + sizeof(void *) + align - 1) / align * align);
    memcpy(q - sizeof(void *), &p, sizeof p);
    return q;
}
TG__PRIVATE void tg__default_release(void *user, void *p, size_t size, size_t align) {
    void *q;
    (void)user; (void)size; (void)align;
    memcpy(&q, (char *)p - sizeof(void *), sizeof q);
    free(q);
}
TG__PRIVATE void tg__default_log(void *user, tg_log_level level, const char *text) {
#ifndef TENSORGRAD_NO_STDIO
    tg_ctx *tg = (tg_ctx *)user;
    if (level == TG_LOG_PRINT) { fputs(text, stdout); return; }
    if (level == TG_LOG_ERROR) {
        if (tg && tg->error_told) return;
        if (tg) tg->error_told = true;                     /* NULL: there is no context yet */
        fputs("tensorgrad: ", stderr);
    }
    fputs(text, stderr); fputs("\n", stderr);
#else
    (void)user; (void)level; (void)text;
#endif
}
TG__PRIVATE double tg__default_clock(void *user) { (void)user; return tg__seconds(); }

TG__PRIVATE bool tg__fuses(int isa);

/* Why there is no context: to the log hook that it would have had, else to stderr. Takes tg__fail's formats. */
TG__PRIVATE tg_ctx *tg__refuse(const tg_hooks *h, const char *format, ...) {
    char out[320];
    tg__text t = tg__text_over(out, sizeof out);
    va_list va;
    tg__put(&t, "open: ");
    va_start(va, format);
    tg__put_format(&t, format, &va);
    va_end(va);
    if (h->log) h->log(h->log_user, TG_LOG_ERROR, out);
    else tg__default_log(NULL, TG_LOG_ERROR, out);
    return NULL;
}

TG_API tg_ctx *tg_open_abi(const tg_config *config, uint32_t abi) {
    static const char *const isas[] = { "best", "plain", "avx2", "avx512", "neon" };
    tg_config c = TG__ZERO;
    tg_ctx *tg;
    unsigned features;
    int isa;
    if (abi != TG_ABI)             /* the config is not read: its fields may stand elsewhere */
        return tg__refuse(&c.hooks, "the header that the caller was compiled with is another version than the implementation's");
    if (config) c = *config;
    if (!c.hooks.alloc != !c.hooks.release)
        return tg__refuse(&c.hooks, "hooks.%s is given without hooks.%s; memory goes back to where it came from",
            c.hooks.alloc ? "alloc" : "release", c.hooks.alloc ? "release" : "alloc");
    if (c.threads < -1)
        return tg__refuse(&c.hooks, "threads is %d; expected a number of threads, or -1 for one per core", c.threads);
    if (c.memory_limit && c.memory_limit < sizeof *tg)
        return tg__refuse(&c.hooks, "memory_limit is %l bytes, and the context itself needs %l",
            (int64_t)c.memory_limit, (int64_t)sizeof *tg);
    if (!c.hooks.alloc) {
        c.hooks.alloc = tg__default_alloc;
        c.hooks.release = tg__default_release;
    }
    if (!c.hooks.clock) c.hooks.clock = tg__default_clock;
    features = tg__cpu_probe();
    if (!tg__isa_find(c.isa, features, &isa)) {
        if ((unsigned)c.isa >= sizeof isas / sizeof *isas) return tg__refuse(&c.hooks, "there is no isa %d", (int)c.isa);
        return tg__refuse(&c.hooks, isa < 0 ? "this build has no kernels for %s" : "this machine has no %s", isas[c.isa]);
    }
    if (isa == TG__ISA_PLAIN && c.strict) {
        if (!TG__HAS_SOFT_FMA)
            return tg__refuse(&c.hooks, "strict mode without an instruction for fused multiply-add needs TENSORGRAD_SOFT_FMA, "
                "defined where tensorgrad.h is compiled");
        isa = TG__ISA_STRICT;
    }
    if (c.strict && tg__fuses(isa))
        return tg__refuse(&c.hooks, "strict mode cannot keep its promise: the compiler was told to fuse products and sums "
            "everywhere; build without -ffp-contract=fast");
    tg = (tg_ctx *)c.hooks.alloc(c.hooks.alloc_user, sizeof *tg, TG__ALIGN);
    if (!tg) return tg__refuse(&c.hooks, "out of memory: the allocator did not give %l bytes", (int64_t)sizeof *tg);
    memset(tg, 0, sizeof *tg);
    if (!c.hooks.log) { c.hooks.log = tg__default_log; c.hooks.log_user = tg; }
    tg->config = c; tg->isa = isa; tg->features = features;
    tg->memory.now = tg->memory.peak = sizeof *tg; tg->memory.host_calls = 1;
    tg->threads = 1;
    tg->random.seed = c.seed;
    tg->grad_mode = true;
    if (c.threads != 0 && c.threads != 1 && !tg_threads(tg, c.threads < 0 ? 0 : c.threads)) {
        tg_close(tg);
        return NULL;
    }
#if defined(__clang__) && !defined(__OPTIMIZE__)
    tg__log(tg, TG_LOG_INFO,
        "tensorgrad was compiled by clang without -O2: its kernels are many times slower than they could be");
#endif
    return tg;
}

TG_API void tg_close(tg_ctx *tg) {
    tg_hooks h;
    int i;
    if (!tg || tg__inside(tg, "close")) return;
    if (tg->callbacks) { tg->where = "close"; (void)tg__fail(tg, TG__E_CALLBACK_CLOSE); return; }
    tg__pool_free(tg->pool);
    tg->pool = NULL;
    tg->depth = 0;
    while (tg->held_count) tg__tensor_drop(tg->held[--tg->held_count]);
    /* of kept tensors: other contexts may hold the storage too */
    while (tg->shared_list) tg__shared_leave(tg, tg->shared_list);
    for (i = 0; i < TG_DEVICES; i++) {
        struct tg__device *d = &tg->devices[i];
        while (d->storages) tg__device_release(tg, d->storages);
        if (d->open && d->backend.close) d->backend.close(d->backend.user, d->stream);
    }
    while (tg->blocks) tg__host_release(tg, tg->blocks);
    h = tg->config.hooks;
    (void)tg__hook_enter(tg, tg__in_memory);
    h.release(h.alloc_user, tg, sizeof *tg, TG__ALIGN);
}

TG_API double tg_seconds(tg_ctx *tg) {
    const char *outer;
    double t;
    if (!tg || tg->inside == tg__in_clock) return 0;
    outer = tg__hook_enter(tg, tg__in_clock);
    t = tg->config.hooks.clock(tg->config.hooks.clock_user);
    tg__hook_leave(tg, outer);
    return t;
}

/* ---- random state ---- */
TG_API void tg_seed(tg_ctx *tg, uint64_t seed) { if (tg) { tg->random.seed = seed; tg->random.call = 0; } }
TG_API void tg_stream(tg_ctx *tg, uint64_t id) { if (tg) tg->random.stream = id; }
TG_API tg_random_state tg_random_get(tg_ctx *tg) { tg_random_state none = TG__ZERO; return tg ? tg->random : none; }
TG_API void tg_random_set(tg_ctx *tg, tg_random_state s) { if (tg) tg->random = s; }

TG_API tg_tensor *(tg_set_name)(tg_tensor *t, const char *name) {
    tg_ctx *tg = tg__start(t, "set_name");
    char *copy = NULL;
    if (!tg || (name && !(copy = tg__copy_text(tg, name)))) return NULL;
    if (t->name) tg__mem_put(tg, (char *)(uintptr_t)t->name, strlen(t->name) + 1);
    t->name = copy;
    return t;
}

/* ======================================================================================
   >>impl-autograd    the graph: recording calls, walking back, derivative products, checking gradients
   Owns tg__node and the order of the backward walk. Knows no op by name; ops know it.
   Tests: tests/test_autograd.c
   ====================================================================================== */

/* What a node remembers of an input or output when the tensor itself is not saved. */
typedef struct tg__slot {
    tg__node *from;                    /* inputs: the call that made it, a leaf's own node, or NULL where no
                                          gradient goes */
    uint32_t  from_out;
    uint32_t  version;                 /* the storage's count of writes when the value was read */
    tg_dtype  dtype;
    int32_t   ndim;
    int64_t   shape[TG_MAX_DIMS];
} tg__slot;

typedef struct tg__hook_link {
    struct tg__hook_link *next;
    tg_hook_function hook;
    void *user;
    uint32_t out;
    bool retain;
} tg__hook_link;

/* One call. During check and forward `in` and `out` are the live tensors. Once recorded they are what the op
   declared as saved, else NULL: inputs are the tensors themselves, outputs are aliases without a node (else
   the node would hold itself). The arrays, the attributes and the struct are one block. */
struct tg__node {
    const tg_op *op;
    tg_ctx     *tg;
    void       *attr;
    tg_tensor **in, **out;
    bool       *wants;                 /* does input i want a gradient in this walk? */
    tg__slot   *in_slot, *out_slot;
    tg_tensor **weak;                  /* the headers of the outputs while they live; not counted */
    tg_tensor **gout;                  /* in a walk: the gradients that have arrived so far */
    int         n_in, n_out;
    int         plan;                  /* what check leaves for forward: the type in which a formula computes */
    tg_device   device;                /* where its operands are, and its results will be */
    uint32_t    count;
    bool        borrowed;              /* not recorded yet: `in` is the caller's, and not counted */
    bool        used;                  /* saved values were let go of */
    bool        needed;                /* in a walk: some wanted input lies behind it */
    bool        captured;              /* in a walk: some output's gradient is asked for */
    bool        running;               /* its backward is being called: what that reads must stay */
    uint64_t    serial;                /* counts what is recorded: inputs always have smaller numbers; 0 before */
    uint64_t    call;                  /* of a random op: its number */
    tg_place    at;
    size_t      size;
    tg__walk   *walk;                  /* the walk that it takes part in */
    tg__hook_link *hooks;
};

/* A record in words: static const tg_op tg__sort_op = { TG__OP("sort", TG__IN(1), TG__OUT(2), TG__NO_FLAGS),
   TG__SAVES(TG_SAVE_OUT(1)), TG__ATTRS(tg__sort), check, forward, backward, NULL }; */
#define TG__OP_KIND(name, in, out, flags, kind) name, 1, in, out, flags, kind
#define TG__OP(name, in, out, flags) name, 1, in, out, flags, 0
#define TG__IN(n) n, 0
#define TG__IN_OPT(n, optional) n, optional
#define TG__IN_LIST TG_LIST, 0
#define TG__OUT(n) n
#define TG__OUT_LIST TG_LIST
#define TG__NO_FLAGS 0u
/* what the derivative of each input reads */
#define TG__NO_SAVES { 0, 0, 0, 0 }
#define TG__SAVES(d0) { d0, 0, 0, 0 }
#define TG__SAVES2(d0, d1) { d0, d1, 0, 0 }
#define TG__SAVES3(d0, d1, d2) { d0, d1, d2, 0 }
#define TG__SAVES_EACH(d) { d, d, d, d }
/* TG__ATTRS(tg__sort): the table tg__sort_attrs of the struct tg__sort_attr; _OF: a table of one's own */
#define TG__NO_ATTRS NULL, 0, 0
#define TG__ATTRS_OF(table, type) table##_attrs, (int)(sizeof table##_attrs / sizeof table##_attrs[0]), sizeof(type##_attr)
#define TG__ATTRS(name) TG__ATTRS_OF(name, name)
/* a struct that nobody prints or saves */
#define TG__ATTRS_HIDDEN(name) NULL, 0, sizeof(name##_attr)
/* rows of such a table */
#define TG__ATTR(type, field, kind) { #field, TG_ATTR_##kind, offsetof(type, field), 1, TG_ATTR_ALL }
#define TG__ATTR_INTS(type, field, length) { #field, TG_ATTR_INTS, offsetof(type, field), (int)(sizeof(((type *)0)->field) / sizeof(int64_t)), offsetof(type, length) }
#define TG__ATTR_EACH(type, field) { #field, TG_ATTR_INTS, offsetof(type, field), (int)(sizeof(((type *)0)->field) / sizeof(int64_t)), TG_ATTR_ALL }

static const tg_op tg__leaf_op = { TG__OP("leaf", TG__IN(0), TG__OUT(1), TG__NO_FLAGS), TG__NO_SAVES, TG__NO_ATTRS,
    NULL, NULL, NULL, NULL };

TG__PRIVATE bool tg__is_leaf(const tg_tensor *t) { return !t->node || t->node->op == &tg__leaf_op; }

TG__PRIVATE tg__node *tg__node_make(tg_ctx *tg, const tg_op *op, const void *attr, int n_in, int n_out) {
    size_t in = (size_t)n_in, out = (size_t)n_out, i;
    size_t size = sizeof(tg__node) + (in + out) * sizeof(tg__slot) + (in + 3 * out) * sizeof(void *)
        + TG__ROUND_UP(op->attr_size, 8) + TG__ROUND_UP(in, 8);
    tg__node *n = (tg__node *)tg__mem_get(tg, size);
    char *p;
    if (!n) return NULL;
    p = (char *)(n + 1);
    /* no memset: see tg__header_fill */
    n->borrowed = n->used = n->needed = n->captured = n->running = false; n->call = 0; n->walk = NULL; n->hooks = NULL;
    n->device = TG_CPU;
    n->op = op; n->tg = tg; n->n_in = n_in; n->n_out = n_out; n->size = size; n->count = 1;
    n->serial = 0;
    n->at.file = tg->here.file; n->at.line = tg->here.line;
    n->in_slot = (tg__slot *)(void *)p; p += in * sizeof(tg__slot);
    n->out_slot = (tg__slot *)(void *)p; p += out * sizeof(tg__slot);
    n->in = (tg_tensor **)(void *)p; p += in * sizeof(void *);
    n->out = (tg_tensor **)(void *)p; p += out * sizeof(void *);
    n->weak = (tg_tensor **)(void *)p; p += out * sizeof(void *);
    n->gout = (tg_tensor **)(void *)p; p += out * sizeof(void *);
    for (i = 0; i < out; i++) { n->out[i] = NULL; n->weak[i] = NULL; n->gout[i] = NULL; }
    n->attr = p;
    if (op->attr_size) { if (attr) memcpy(p, attr, op->attr_size); else memset(p, 0, op->attr_size); }
    p += TG__ROUND_UP(op->attr_size, 8);
    n->wants = (bool *)p;
    for (i = 0; i < in; i++) n->wants[i] = false;
    tg->memory.graph += size;
    tg->memory.live_nodes++;
    return n;
}

TG__PRIVATE void tg__node_let_go(tg__node *n) {            /* drops the saved values */
    int i;
    for (i = 0; i < n->n_in && !n->borrowed; i++) tg__let_go(&n->in[i]);
    for (i = 0; i < n->n_out; i++) tg__let_go(&n->out[i]);
    n->used = true;
}

/* Releasing is iterative: a long chain of nodes must not become a deep recursion. */
TG__PRIVATE void tg__node_drop(tg_ctx *tg, tg__node *n) {
    if (!n || --n->count) return;
    n->walk = (tg__walk *)(void *)tg->dead_nodes;          /* the field is free now: it links the doomed */
    tg->dead_nodes = n;
    if (tg->releasing) return;
    tg->releasing = true;
    while (tg->dead_nodes) {
        tg__hook_link *h;
        int i;
        n = tg->dead_nodes;
        tg->dead_nodes = (tg__node *)(void *)n->walk;
        n->walk = NULL;
        tg__node_let_go(n);
        for (i = 0; i < n->n_in; i++)
            if (n->op != &tg__leaf_op && n->in_slot[i].from) tg__node_drop(tg, n->in_slot[i].from);
        for (i = 0; i < n->n_out; i++) if (n->gout[i]) tg__tensor_drop(n->gout[i]);
        while ((h = n->hooks) != NULL) { n->hooks = h->next; tg__mem_put(tg, h, sizeof *h); }
        tg->memory.graph -= n->size;
        tg->memory.live_nodes--;
        tg__mem_put(tg, n, n->size);
    }
    tg->releasing = false;
}
TG__PRIVATE void tg__node_forget(tg__node *n, tg_tensor *t) {
    if (n->weak[t->out_index] == t) n->weak[t->out_index] = NULL;
}

TG__PRIVATE void tg__slot_fill(tg__slot *s, const tg_tensor *t) {
    int i;
    s->from = NULL; s->from_out = 0; s->version = t->storage->version; s->dtype = t->dtype; s->ndim = t->ndim;
    for (i = 0; i < t->ndim; i++) s->shape[i] = t->shape[i];
}

TG__PRIVATE void tg__set_node(tg_tensor *t, tg__node *n, int out) {    /* takes over one count of n */
    if (t->node) {
        tg__node *old = t->node;
        tg__hook_link **at = &old->hooks, *h;
        /* tg_retain_grad is about the tensor, and goes along */
        while ((h = *at) != NULL) {
            if (!h->retain || h->out != t->out_index) { at = &h->next; continue; }
            *at = h->next; h->next = n->hooks; h->out = (uint32_t)out; n->hooks = h;
        }
        tg__node_forget(old, t); t->node = NULL; tg__node_drop(t->tg, old);
    }
    t->node = n; t->out_index = (uint32_t)out; t->requires_grad = true;
    n->weak[out] = t;
}

/* op "as_strided": the view's place in its rewritten base; in >>impl-views */
TG__PRIVATE tg__node *tg__view_node(tg_tensor *view);

/* The node that gradients for t go to. Leaves get theirs here, and views whose base was written to since get
   a new one. NULL: out of memory. */
TG__PRIVATE tg__node *tg__edge(tg_tensor *t) {
    tg__node *n;
    if (t->base && t->base->rebased != t->rebased) {
        n = tg__view_node(t);
        if (!n) return NULL;
        tg__set_node(t, n, 0);
        t->rebased = t->base->rebased;
    }
    if (!t->node) {
        n = tg__node_make(t->tg, &tg__leaf_op, NULL, 0, 1);
        if (!n) return NULL;
        n->serial = ++t->tg->node_serial;
        tg__slot_fill(&n->out_slot[0], t);
        tg__set_node(t, n, 0);
    }
    return t->node;
}
TG__PRIVATE bool tg__needs_grad(const tg_tensor *t) {
    return t->requires_grad || (t->base && t->base->rebased != t->rebased && t->base->requires_grad);
}

/* A base got another node: its views ask for a new one when they are next used, and need gradients from now on. */
TG__PRIVATE void tg__rewritten(tg_tensor *base, bool needed) {
    tg_tensor *t;
    base->rebased++;
    if (needed) return;                    /* so did the views: they are looked at once, not at every write */
    for (t = base->storage->headers; t; t = t->next_alias) if (t->base == base) t->requires_grad = true;
}

/* ---- calling ---- */
/* a checkpoint's function uses these from outside */
struct tg__recording { tg_tensor **list; int count, room; };
TG__PRIVATE bool tg__recording_note(tg_ctx *tg, tg_tensor *t) {
    tg__recording *r = tg->recording;
    int i;
    for (i = 0; i < r->count; i++) if (r->list[i] == t) return true;
    if (r->count == r->room) {
        int room = r->room ? r->room * 2 : 16;
        tg_tensor **p = (tg_tensor **)tg__mem_resize(tg, r->list,
            (size_t)r->room * sizeof *p, (size_t)room * sizeof *p);
        if (!p) return false;
        r->list = p; r->room = room;
    }
    t->count++;
    r->list[r->count++] = t;
    return true;
}

TG__PRIVATE bool tg__copy_to(tg_ctx *tg, tg_tensor *y, tg_tensor *x);

TG__PRIVATE unsigned tg__saved_for(const tg__node *n) {
    unsigned mask = 0;
    int i;
    for (i = 0; i < n->n_in; i++) if (n->wants[i]) mask |= n->op->saves[i < TG_OP_SAVES ? i : TG_OP_SAVES - 1];
    return mask;
}
TG__PRIVATE bool tg__saves_in(unsigned mask, int i) { return (mask & TG_SAVE_INS) || (i < 15 && (mask >> i & 1u)); }

TG__PRIVATE bool tg__rebase(tg_tensor *view, tg__node *n);   /* in >>impl-views */
TG__PRIVATE bool tg__has_holes(const tg_tensor *t);
TG__PRIVATE bool tg__anomaly_check(tg_ctx *tg, const char *what, const tg__node *n, tg_tensor *t);

/* Makes the call part of the graph: edges, saved values, the results' links. `old`: what an in-place op has
   overwritten, if its derivative reads that. */
TG__PRIVATE bool tg__record(tg_ctx *tg, tg__node *n,
    tg_tensor *const *in, tg_tensor *const *result, tg_tensor *old) {
    unsigned mask;
    bool inplace = (n->op->flags & TG_OP_INPLACE) != 0, needed;
    int i;
    n->borrowed = false;
    for (i = 0; i < n->n_in; i++) n->in[i] = NULL;
    for (i = 0; i < n->n_in; i++) {
        if (!in[i] || !tg__needs_grad(in[i])) continue;
        n->in_slot[i].from = tg__edge(in[i]);
        if (!n->in_slot[i].from) return false;
        n->in_slot[i].from->count++;
        n->in_slot[i].from_out = in[i]->out_index;
        n->wants[i] = true;
    }
    /* now: behind its inputs' nodes, which may have been made just before, and only for what is recorded */
    n->serial = ++tg->node_serial;
    mask = tg__saved_for(n);
    for (i = 0; i < n->n_in; i++) {
        if (!in[i] || !tg__saves_in(mask, i)) continue;
        /* that header is about to belong to this very call */
        if (inplace && in[i] == in[0]) {
            n->in[i] = tg__alias(old);
            if (!n->in[i]) return false;
            n->in_slot[i].version = old->storage->version;
            if (n->in_slot[i].from) {
                n->in_slot[i].from->count++;
                n->in[i]->node = n->in_slot[i].from;
                n->in[i]->out_index = n->in_slot[i].from_out;
                n->in[i]->requires_grad = true;
            }
        } else { in[i]->count++; n->in[i] = in[i]; }
    }
    for (i = 0; i < n->n_out; i++) {
        tg_tensor *t = result[i];
        if (!t) continue;
        tg__slot_fill(&n->out_slot[i], t);
        if (i < 16 && (mask >> (16 + i) & 1u)) { n->out[i] = tg__alias(t); if (!n->out[i]) return false; }
    }
    for (i = 0; i < n->n_out; i++) {
        tg_tensor *t = result[i];
        if (!t || !tg_dtype_is_float(t->dtype)) continue;
        if (inplace && t->base) { if (!tg__rebase(t, n)) return false; continue; }
        n->count++;
        needed = t->requires_grad;
        tg__set_node(t, n, i);
        if (inplace) tg__rewritten(t, needed);
    }
    return true;
}

/* May the first operand be written in place while the others are read, and can the graph follow? */
TG__PRIVATE bool tg__inplace_allowed(tg_ctx *tg, tg_tensor *const *in, int n_in, bool graph) {
    tg_tensor *t = in[0];
    const tg_tensor *owner = t->base ? t->base : t;
    int i;
    if (!tg__writable(tg, t)) return false;
    for (i = 1; i < n_in; i++)
        if (in[i] && tg__meet(t, in[i]) == TG__MEET_SOME) return tg__fail(tg, TG__E_SHARED_ELEMENTS, i, in[i], t);
    if (tg->grad_mode && owner->requires_grad && tg__is_leaf(owner)) return tg__fail(tg, TG__E_INPLACE_LEAF, owner);
    if (graph && t->unrecorded) return tg__fail(tg, TG__E_VIEW_NO_GRAD, t);
    if (graph && t->base && tg__has_holes(owner)) return tg__fail(tg, TG__E_HOLES, owner);
    return true;
}
/* Where it could not be told cheaply whether a read operand shares elements with the written one, the op reads a
   copy. That is held by a scope which is opened for it; the caller ends it. */
TG__PRIVATE bool tg__read_copies(tg_ctx *tg, tg__node *n, tg_mark *m) {
    int i;
    for (i = 1; i < n->n_in; i++) {
        tg_tensor *x = n->in[i];
        if (!x || tg__meet(n->in[0], x) != TG__MEET_UNKNOWN) continue;
        if (!m->depth) *m = tg_begin(tg);
        n->in[i] = m->depth ? tg__hold(tg, tg__tensor_make(tg, x->device, x->dtype, x->ndim, x->shape, NULL)) : NULL;
        if (!n->in[i] || !tg__copy_to(tg, n->in[i], x)) return false;
    }
    return true;
}
/* As torch: where the derivative of an in-place op reads the old value, that is copied to *old. */
TG__PRIVATE bool tg__old_value(tg_ctx *tg, const tg__node *n, tg_tensor **old) {
    const tg_tensor *x = n->in[0];
    unsigned mask = tg__saved_for(n);
    int i;
    for (i = 0; i < n->n_in; i++) {
        if (n->in[i] != x || !tg__saves_in(mask, i)) continue;
        *old = tg__tensor_make(tg, n->device, x->dtype, x->ndim, x->shape, NULL);
        return *old && tg__copy_to(tg, *old, n->in[0]);
    }
    return true;
}

/* ---- mapping over a leading dimension ----
   Inside tg_vmap a tensor is a header without that dimension; `inner` is the whole, which the graph knows. */
TG__PRIVATE tg_tensor *tg__lanes_wrap(tg_ctx *tg, tg_tensor *whole) {
    tg_tensor *t = tg__hold(tg, tg__alias(whole));
    int d;
    if (!t) return NULL;
    whole->count++;
    t->inner = whole; t->opaque = TG__LANES; t->data = NULL;
    t->ndim--; t->numel = 1;
    for (d = 0; d < t->ndim; d++) { t->shape[d] = whole->shape[d + 1]; t->numel *= t->shape[d]; }
    tg__dense_strides(t->ndim, t->shape, t->stride);
    return t;
}
TG__PRIVATE tg_tensor *tg__call_lanes(tg_ctx *tg, const tg_op *op, const void *attr,
    tg_tensor *const *in, int n_in, tg_tensor **outs, int n_out) {
    tg_tensor *x[8], *out[4];
    unsigned mapped = 0;
    int i;
    if (!op->vmap || n_in > 8 || n_out > 4 || n_out < 1) { tg__fail(tg, TG__E_VMAP, op->name); return NULL; }
    for (i = 0; i < n_in; i++) {
        x[i] = in[i];
        if (in[i] && in[i]->opaque == TG__LANES) { x[i] = in[i]->inner; mapped |= 1u << i; }
    }
    if (!op->vmap(tg, op, attr, x, n_in, mapped, out)) return NULL;
    for (i = 0; i < n_out; i++) {
        out[i] = tg__lanes_wrap(tg, out[i]);
        if (!out[i]) return NULL;
    }
    for (i = 0; i < n_out && outs; i++) outs[i] = out[i];
    return out[0];
}

/* Runs one op: the gate, one-context and liveness checks, check, forward, recording, holding. Everything that
   all ops share is here. `outs` may be NULL. */
#ifdef TENSORGRAD_DEBUG
#define TG__CALL tg__call_owned
#else
#define TG__CALL tg__call
#endif
TG__PRIVATE tg_tensor *TG__CALL(const tg_op *op, const void *attr,
    tg_tensor *const *in, int n_in, tg_tensor **outs, int n_out) {
    tg_ctx *tg = NULL;
    tg__node *n;
    tg_tensor *first = NULL, *few[4], **result = few, *old = NULL;
    bool graph = false, off = false, need, lanes = false, inplace = (op->flags & TG_OP_INPLACE) != 0, ok;
    tg_device device = TG_CPU;
    tg_mark copies = TG__ZERO;
    int i;
    for (i = 0; i < n_out && outs; i++) outs[i] = NULL;
    for (i = 0; i < n_in && !tg; i++) if (in[i]) tg = in[i]->tg;
    if (!tg__gate(tg)) return NULL;
    tg__enter(tg, op, attr);
    for (i = 0; i < n_in; i++) {
        if (!in[i] && op->n_in >= 0 && i >= op->n_in) continue;       /* an optional operand that is absent */
        if (!((op->flags & TG_OP_OPAQUE) && in[i] && in[i]->opaque != TG__SPARSE ? tg__use_any : tg__use)(tg, in[i], i)) return NULL;
        if (TG__RARE(in[i]->opaque == TG__LANES)) lanes = true;
        if (TG__RARE(in[i]->device != TG_CPU)) device = in[i]->device;
        need = tg__needs_grad(in[i]);
        graph |= need; off |= need | in[i]->off_record;
        if (TG__RARE(tg->recording != NULL) && need && !tg__recording_note(tg, in[i])) return NULL;
    }
    if (TG__RARE(lanes)) return tg__call_lanes(tg, op, attr, in, n_in, outs, n_out);
    for (i = 0; TG__RARE(device != TG_CPU) && i < n_in; i++) {        /* plain numbers go with any device */
        if (!in[i] || in[i]->device == device || in[i]->is_number) continue;
        tg__fail(tg, TG__E_DEVICES, in[i], (int)in[i]->device, (int)device);
        return NULL;
    }
    graph = graph && tg->grad_mode;
    off = off && !graph;                       /* what is not recorded is remembered, for tg_backward's message */
    /* a comparison in place is recorded all the same: it cuts the old value's gradient off */
    if ((op->flags & TG_OP_NO_GRAD) && !(inplace && tg_dtype_is_float(in[0]->dtype))) graph = false;
    if (inplace && !tg__inplace_allowed(tg, in, n_in, graph)) return NULL;
    n = tg__node_make(tg, op, attr, n_in, n_out);
    if (!n) return NULL;
    n->borrowed = true;
    n->device = device;
    if (op->flags & TG_OP_RANDOM) n->call = tg->random.call++;
    for (i = 0; i < n_in; i++) {
        n->in[i] = in[i];
        n->in_slot[i].from = NULL;
        if (graph && in[i]) { tg__slot_fill(&n->in_slot[i], in[i]); n->wants[i] = tg__needs_grad(in[i]); }
    }
    ok = (op->check)(tg, n);                                             /* makes n->out[] */
    if (ok && n_out > 4) {
        result = (tg_tensor **)tg__mem_get(tg, (size_t)n_out * sizeof *result);
        ok = result != NULL;
    }
    if (ok) {
        for (i = 0; i < n_out; i++) {
            tg_tensor *t = n->out[i];
            if (!t) continue;
            t->made_by = op->name;
            if (TG__RARE(off)) t->off_record = true;
            if (op->flags & TG_OP_VIEW) t->unrecorded = in[0]->unrecorded || !tg->grad_mode;
            if ((op->flags & TG_OP_VIEW) && tg->grad_mode && !t->base) {
                t->base = in[0]->base ? in[0]->base : in[0];
                t->base->count++;
                t->rebased = t->base->rebased;
            }
        }
        ok = (!inplace || ((!graph || tg__old_value(tg, n, &old)) && tg__read_copies(tg, n, &copies)))
            && (!op->forward || op->forward(tg, n));
        if (TG__RARE(copies.depth)) tg_end(tg, copies);
    }
    if (ok && inplace) {
        tg__storage *s = in[0]->storage;
        s->version++; s->written_by = op->name; s->written_at = n->at;
    }
    for (i = 0; ok && TG__RARE(tg->anomaly) && i < n_out; i++)
        if (n->out[i]) ok = tg__anomaly_check(tg, "the result", n, n->out[i]);
    if (ok) {
        /* their counts are ours now */
        for (i = 0; i < n_out; i++) { result[i] = n->out[i]; n->out[i] = NULL; }
        if (graph) ok = tg__record(tg, n, in, result, old);
        for (i = 0; i < n_out; i++) {
            tg_tensor *t = result[i];
            if (!t) continue;
            /* an in-place result is held already */
            if (!ok || (inplace && i == 0)) tg__tensor_drop(t);
            else { t = tg__hold(tg, t); ok = t != NULL; }
            if (outs) outs[i] = t;
            if (i == 0) first = t;
        }
    }
    /* where it failed before recording, the outputs that check made go with it */
    tg__node_drop(tg, n);
    tg__tensor_drop(old);
    if (result != few && result) tg__mem_put(tg, result, (size_t)n_out * sizeof *result);
    if (ok) return first;
    for (i = 0; i < n_out && outs; i++) outs[i] = NULL;
    return NULL;
}

#undef TG__CALL
#ifdef TENSORGRAD_DEBUG
TG__PRIVATE tg_tensor *tg__call(const tg_op *op, const void *attr,
    tg_tensor *const *in, int n_in, tg_tensor **outs, int n_out) {
    tg_ctx *tg = NULL;
    uint32_t nobody = 0;
    bool first;
    tg_tensor *y;
    int i;
    for (i = 0; i < n_in && !tg; i++) if (in[i]) tg = in[i]->tg;
    first = tg && tg__atomic_cas(&tg->owner, &nobody, tg__thread_id());      /* else this thread's, or the gate refuses */
    y = tg__call_owned(op, attr, in, n_in, outs, n_out);
    if (first) tg__atomic_store(&tg->owner, 0);
    return y;
}
#endif

/* The form that op blocks use: n_in + n_in_opt operands follow. */
TG__PRIVATE tg_tensor *tg__apply(const tg_op *op, const void *attr, tg_tensor **outs, ...) {
    tg_tensor *in[8];
    va_list va;
    int i, n = op->n_in + op->n_in_opt;
    va_start(va, outs);
    for (i = 0; i < n && i < 8; i++) in[i] = va_arg(va, tg_tensor *);
    va_end(va);
    return tg__call(op, attr, in, n, outs, op->n_out);
}

/* ------------------------------------------------------------------ tie ----
   The first operand, seen to depend on the others too. A derivative that reads a value only through
   comparisons (relu's) is constant in it, and its own derivative is zero, not absent. */
TG__PRIVATE bool tg__tie_check(tg_ctx *tg, tg__node *n) {
    (void)tg;
    n->out[0] = tg__alias(n->in[0]);
    return n->out[0] != NULL;
}
TG__PRIVATE bool tg__tie_backward(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    (void)tg;
    if (n->wants[0]) dx[0] = g[0];
    return true;
}
static const tg_op tg__tie_op = { TG__OP("tie", TG__IN_LIST, TG__OUT(1), TG_OP_VIEW), TG__NO_SAVES, TG__NO_ATTRS,
    tg__tie_check, NULL, tg__tie_backward, NULL };

/* For check functions: make output i. */
TG__PRIVATE bool tg__out_make(tg_ctx *tg, tg__node *n, int i, tg_dtype dtype, int ndim, const int64_t *shape) {
    n->out[i] = tg__tensor_make(tg, n->device, dtype, ndim, shape, NULL);
    return n->out[i] != NULL;
}
/* like's shape and dense stride order */
TG__PRIVATE bool tg__out_ordered(tg_ctx *tg, tg__node *n, int i, tg_dtype dtype, const tg_tensor *like) {
    n->out[i] = tg__tensor_make_like(tg, n->device, dtype, like);
    return n->out[i] != NULL;
}
TG__PRIVATE bool tg__out_like(tg_ctx *tg, tg__node *n, int i, const tg_tensor *like) {
    return tg__out_make(tg, n, i, like->dtype, like->ndim, like->shape);
}
/* Where sizes must agree, one line is the check, the first output and the documentation:

       "[*, I] [O, I] ?[O] -> [*, O]"

   A letter is one size, the same everywhere; * any leading sizes, the same everywhere; ? an operand that may be absent.
   The output has the first operand's dtype. */
TG__NOINLINE bool tg__shapes_fail(tg_ctx *tg, const tg__node *n, const char *rule, char letter, int64_t one, int64_t other) {
    char text[512];
    tg__text t = tg__text_over(text, sizeof text);
    int i, end = 0;
    while (rule[end] && rule[end] != '-') end++;
    for (i = 0; i < end - 1; i++) tg__put_char(&t, rule[i]);
    tg__put(&t, ", got");
    for (i = 0; i < n->n_in; i++) if (n->in[i]) { tg__put_char(&t, ' '); tg__put_tensor(&t, n->in[i]); }
    if (letter) {
        tg__put(&t, "; "); tg__put_char(&t, letter); tg__put(&t, " is ");
        tg__put_i64(&t, one); tg__put(&t, " and "); tg__put_i64(&t, other);
    }
    return tg__fail(tg, TG__E_SHAPES, text);
}
TG__PRIVATE bool tg__shapes(tg_ctx *tg, tg__node *n, const char *rule) {
    int64_t size[26], shape[TG_MAX_DIMS];
    const tg_tensor *star = NULL;                  /* the operand whose leading sizes are * */
    unsigned known = 0;
    int i = 0, d, k, letters, leads = 0;
    const char *s = rule, *p;
    for (; *s != '-'; s++) {
        const tg_tensor *t;
        bool any = false;
        if (*s != '[') continue;
        t = n->in[i++];
        for (letters = 0, p = s + 1; *p != ']'; p++) { letters += *p >= 'A'; any |= *p == '*'; }
        if (t) {
            d = t->ndim - letters;
            if (d < 0 || (d > 0 && !any)) return tg__shapes_fail(tg, n, rule, 0, 0, 0);
            if (any && !star) { star = t; leads = d; }
            else if (any) {
                if (d != leads) return tg__shapes_fail(tg, n, rule, 0, 0, 0);
                for (k = 0; k < d; k++)
                    if (t->shape[k] != star->shape[k]) return tg__shapes_fail(tg, n, rule, '*', star->shape[k], t->shape[k]);
            }
            for (s++; s < p; s++) {
                const int c = *s - 'A';
                if (c < 0) continue;
                if (!(known >> c & 1u)) { known |= 1u << c; size[c] = t->shape[d]; }
                else if (size[c] != t->shape[d]) return tg__shapes_fail(tg, n, rule, *s, size[c], t->shape[d]);
                d++;
            }
        }
        s = p;
    }
    for (k = 0; *s; s++) {
        if (*s == '*') for (d = 0; d < leads; d++) shape[k++] = star->shape[d];
        else if (*s >= 'A' && *s <= 'Z') shape[k++] = size[*s - 'A'];
    }
    return tg__out_make(tg, n, 0, n->in[0]->dtype, k, shape);
}
/* indices are i64 or i32 */
TG__PRIVATE bool tg__is_index(tg_ctx *tg, const tg_tensor *t) {
    return t->dtype == TG_I64 || t->dtype == TG_I32 || tg__fail(tg, TG__E_INDEX_DTYPE, t);
}
/* in-place ops */
TG__PRIVATE bool tg__out_same(tg__node *n) { n->in[0]->count++; n->out[0] = n->in[0]; return true; }

/* ---- the walk ----
   The calls that the outputs depend on are listed and sorted newest first; each gives its gradients to its
   inputs' calls, which come later in the list because they are older. So when a call's turn comes all of its
   gradients have arrived, and the order does not depend on anything but the program. */
typedef struct tg__capture {
    tg__node *node;
    uint32_t out;
    bool reached;                /* the outputs depend on it */
    tg_tensor *grad;
} tg__capture;
typedef struct tg__shelved {
    struct tg__shelved *next;
    tg__node *node;
    tg__walk *walk;
    bool needed, captured;
    size_t size;
} tg__shelved;

struct tg__walk {
    tg_ctx *tg;
    tg__walk *outer;
    tg__node **order; int count, room;
    tg__capture *captures; int n_captures;         /* NULL: gradients go to the leaves' .grad */
    tg__shelved *shelf;                            /* calls that an outer walk is in the middle of; they get
                                                      their state back */
    bool barrier;                                  /* nothing behind a captured call is walked */
    bool create_graph, retain_graph;
    const char *where; tg_place here;              /* the call that walks: messages about the walk itself name it */
};

TG__PRIVATE void tg__walk_begin(tg__walk *w, tg_ctx *tg) {
    w->tg = tg;
    w->where = tg->where;
    w->here.file = tg->here.file;
    w->here.line = tg->here.line;
}
TG__PRIVATE void tg__walk_place(tg_ctx *tg, const tg__walk *w) {
    tg->where = w->where;
    tg->here.file = w->here.file;
    tg->here.line = w->here.line;
}

TG__PRIVATE void tg__walk_reach(tg__walk *w, const tg__node *n, uint32_t out) {
    int i;
    for (i = 0; n->captured && i < w->n_captures; i++)
        if (w->captures[i].node == n && w->captures[i].out == out) w->captures[i].reached = true;
}
TG__PRIVATE bool tg__walk_add(tg__walk *w, tg__node *n) {
    tg_ctx *tg = w->tg;
    if (n->walk == w) return true;
    if (w->count == w->room) {
        int room = w->room ? w->room * 2 : 64;
        tg__node **p = (tg__node **)tg__mem_resize(tg, w->order,
            (size_t)w->room * sizeof *p, (size_t)room * sizeof *p);
        if (!p) return false;
        w->order = p; w->room = room;
    }
    if (n->walk) {
        size_t size = sizeof(tg__shelved) + (size_t)n->n_out * sizeof(tg_tensor *);
        tg__shelved *s = (tg__shelved *)tg__mem_get(tg, size);
        if (!s) return false;
        s->node = n; s->walk = n->walk; s->needed = n->needed; s->captured = n->captured; s->size = size;
        memcpy(s + 1, n->gout, (size_t)n->n_out * sizeof(tg_tensor *));
        memset(n->gout, 0, (size_t)n->n_out * sizeof(tg_tensor *));
        s->next = w->shelf; w->shelf = s;
    }
    n->walk = w;
    n->needed = n->captured = false;
    n->count++;
    w->order[w->count++] = n;
    return true;
}

/* newest first; merges runs, so that nearly sorted is fast */
TG__PRIVATE bool tg__walk_sort(tg__walk *w) {
    tg__node **a = w->order, **b;
    int n = w->count, i;
    bool sorted = true;
    for (i = 1; i < n && sorted; i++) sorted = a[i - 1]->serial > a[i]->serial;
    if (sorted) return true;
    b = (tg__node **)tg__mem_get(w->tg, (size_t)n * sizeof *b);
    if (!b) return false;
    for (;;) {
        int runs = 0, at = 0, o = 0;
        while (at < n) {
            int mid = at + 1, end, l, r;
            while (mid < n && a[mid - 1]->serial > a[mid]->serial) mid++;
            end = mid < n ? mid + 1 : n;
            while (end < n && a[end - 1]->serial > a[end]->serial) end++;
            l = at; r = mid;
            while (l < mid || r < end)
                b[o++] = r >= end || (l < mid && a[l]->serial > a[r]->serial) ? a[l++] : a[r++];
            at = end; runs++;
        }
        for (i = 0; i < n; i++) a[i] = b[i];
        if (runs <= 1) break;
    }
    tg__mem_put(w->tg, b, (size_t)n * sizeof *b);
    return true;
}

TG__PRIVATE tg_tensor *tg__sparse_sum(tg_ctx *tg, tg_tensor *a, tg_tensor *b);   /* in >>impl-index */
/* Adds g, whose count the caller gives away, to *sum. In place where nobody else can see *sum. */
TG__PRIVATE bool tg__accumulate(tg_ctx *tg, tg_tensor **sum, tg_tensor *g) {
    tg_tensor *s = *sum, *r;
    tg_mark m;
    if (!s) { *sum = g; return true; }
    m = tg_begin(tg);
    if (s->opaque || g->opaque) {
        r = tg__sparse_sum(tg, s, g);
        if (r) { r->count++; *sum = r; tg__tensor_drop(s); }
    } else if (!tg->grad_mode && s->count == 1 && s->storage->users == 1 && !s->storage->borrowed && !s->node &&
        s->dtype == g->dtype && tg__is_dense(s) && tg__same_shape(s, g)) {
        r = (tg_add_)(s, g);
    } else {
        r = (tg_add)(s, g);
        if (r) { r->count++; *sum = r; tg__tensor_drop(s); }
    }
    tg_end(tg, m);
    tg__tensor_drop(g);
    return r != NULL;
}

/* Sums t over the dimensions that broadcasting added or stretched, so that it gets the shape of the operand. */
TG__PRIVATE tg_tensor *tg__sum_to(tg_tensor *t, int ndim, const int64_t *shape) {
    int64_t dims[TG_MAX_DIMS];
    int i, n = 0, lead = t->ndim - ndim;
    if (lead < 0) return t;
    /* no broadcast of that shape: the caller says so */
    for (i = 0; i < ndim; i++) if (shape[i] != t->shape[lead + i] && shape[i] != 1) return t;
    for (i = 0; i < t->ndim; i++) if (i < lead || (shape[i - lead] == 1 && t->shape[i] != 1)) dims[n++] = i;
    if (!n) return t;
    t = tg_sum_dims(t, n, dims, true);
    return tg_reshape(t, ndim, shape);
}

/* Are the saved values of n what they were when it ran: neither let go of nor overwritten? */
TG__PRIVATE bool tg__saved_intact(tg_ctx *tg, const tg__node *n) {
    unsigned mask = tg__saved_for(n);
    int i;
    if (n->used && mask) return tg__fail(tg, TG__E_GRAPH_USED, n->op->name);
    for (i = 0; i < n->n_in + n->n_out; i++) {
        const tg_tensor *t = i < n->n_in ? n->in[i] : n->out[i - n->n_in];
        const tg__slot *s = i < n->n_in ? &n->in_slot[i] : &n->out_slot[i - n->n_in];
        if (!t || t->storage->version == s->version) continue;
        return tg__fail(tg, TG__E_OVERWRITTEN, n->op->name, n->at.file, n->at.line,
            t->storage->written_by, t->storage->written_at.file, t->storage->written_at.line);
    }
    return true;
}

/* g's count is ours, so is the result's */
TG__PRIVATE tg_tensor *tg__run_hooks(tg_ctx *tg, tg__node *n, uint32_t out, tg_tensor *g) {
    tg__hook_link *h;
    tg__callback callback;
    int many = 0;
    for (h = n->hooks; h; h = h->next) many++;
    for (h = n->hooks; h && g && many-- > 0; h = h->next) {            /* not those that hooks add */
        tg_tensor *r;
        if (h->out != out) continue;
        if (h->retain) {                                               /* tg_retain_grad */
            tg_tensor *t = n->weak[out];
            if (t) {
                tg_mark m = tg_begin(tg);
                r = g->opaque ? g : (tg_clone)(g);
                if (r) r->count++;
                tg_end(tg, m);
                if (!r || !tg__accumulate(tg, &t->grad, r)) break;
            }
            continue;
        }
        tg__callback_enter(tg, &callback);
        r = h->hook(h->user, g);
        tg__callback_leave(tg, &callback);
        if (tg->error != TG_OK) break;
        if (!r || r == g) continue;
        if (!tg__use_any(tg, r, 0)) break;
        if (!tg__same_shape(r, g) || r->dtype != g->dtype) { tg__fail(tg, TG__E_HOOK_SHAPE, r, g); break; }
        r->count++; tg__tensor_drop(g); g = r;
    }
    return g;
}

/* A leaf's gradient has arrived: into .grad, taking the tensor itself where nobody else holds it. */
TG__PRIVATE bool tg__leaf_receive(tg_ctx *tg, tg__node *n) {
    tg_tensor *t = n->weak[0], *g = n->gout[0];
    n->gout[0] = NULL;
    if (!t || !t->requires_grad) { tg__tensor_drop(g); return true; }
    if (!t->grad && !g->opaque && (g->count > 1 || g->storage->users > 1 || g->storage->borrowed ||
                     !tg__is_dense(g) || g->node)) {
        tg_mark m = tg_begin(tg);
        tg_tensor *c = (tg_clone)(g);
        if (c) c->count++;
        tg_end(tg, m);
        tg__tensor_drop(g);
        if (!c) return false;
        g = c;
    }
    return tg__accumulate(tg, &t->grad, g);
}

/* What a backward gave for input i, as that input takes it: broadcasting summed back, in its dtype. The caller
   owns the count; NULL: failed. */
TG__PRIVATE tg_tensor *tg__walk_fit(tg_ctx *tg, const tg__walk *w, const tg__node *n, int i, tg_tensor *d) {
    const tg__slot *s = &n->in_slot[i];
    if (!tg__use_any(tg, d, i)) return NULL;                           /* an operation from outside may give anything */
    d = tg__sum_to(d, s->ndim, s->shape);
    if (d && d->dtype != s->dtype) d = tg_to(d, s->dtype);
    if (!d) return NULL;
    tg__walk_place(tg, w);
    if (d->ndim != s->ndim || memcmp(d->shape, s->shape, (size_t)s->ndim * sizeof s->shape[0]) != 0) {
        tg__fail(tg, TG__E_BACKWARD_SHAPE, n->op->name, d, (int)s->ndim, s->shape);
        return NULL;
    }
    if (tg->anomaly && !tg__anomaly_check(tg, "the gradient", n, d->opaque ? tg_sparse_values(d) : d)) return NULL;
    d->count++;
    return d;
}

/* One call's turn: hooks, captures, its backward, and the gradients handed on. */
TG__PRIVATE bool tg__walk_node(tg_ctx *tg, tg__walk *w, tg__node *n) {
    tg_tensor *few[8], **dx = few, *saved_out[16];
    tg__callback callback;
    bool any = false, ok;
    tg_mark m;
    int i;
    for (i = 0; i < n->n_out; i++) {
        if (!n->gout[i]) continue;
        /* behind a barrier the outer walk runs them, on the whole gradient */
        if (!(w->barrier && n->captured)) n->gout[i] = tg__run_hooks(tg, n, (uint32_t)i, n->gout[i]);
        if (tg->error != TG_OK) return false;
        any = true;
        if (n->captured) {
            int c;
            for (c = 0; c < w->n_captures; c++) {
                if (w->captures[c].node == n && w->captures[c].out == (uint32_t)i) {
                    n->gout[i]->count++;
                    if (!tg__accumulate(tg, &w->captures[c].grad, n->gout[i])) return false;
                }
            }
        }
    }
    if (!any) return true;
    if (n->op == &tg__leaf_op) return w->captures || tg__leaf_receive(tg, n);
    if (w->captures && w->barrier && n->captured) return true;
    if (TG__RARE(n->running)) { tg__walk_place(tg, w); return tg__fail(tg, TG__E_RUNNING, n->op->name); }
    for (any = false, i = 0; i < n->n_in; i++) {                       /* only what somebody waits for */
        tg__node *from = n->in_slot[i].from;
        n->wants[i] = from && from->walk == w && (!w->captures || from->needed);
        any = any || n->wants[i];
    }
    if (!any) { ok = true; goto restore; }
    tg__walk_place(tg, w);
    if (!n->op->backward) { ok = tg__fail(tg, TG__E_NO_BACKWARD, n->op->name); goto restore; }
    if (!tg__saved_intact(tg, n)) { ok = false; goto restore; }
    if (n->n_in > 8 && !(dx = (tg_tensor **)tg__mem_get(tg, (size_t)n->n_in * sizeof *dx))) {
        ok = false;
        goto restore;
    }
    memset(dx, 0, (size_t)n->n_in * sizeof *dx);
    for (i = 0; i < n->n_out && i < 16; i++) saved_out[i] = NULL;
    m = tg_begin(tg);
    ok = tg->error == TG_OK;
    /* the derivative must see that the output depends on the inputs */
    for (i = 0; ok && w->create_graph && i < n->n_out && i < 16; i++) {
        tg_tensor *y = n->out[i];
        if (!y || !tg_dtype_is_float(y->dtype)) continue;
        saved_out[i] = y;
        y = tg__alias(y);
        ok = y && tg__hold(tg, y);
        if (!ok) { saved_out[i] = NULL; break; }
        n->count++;
        y->node = n; y->out_index = (uint32_t)i; y->requires_grad = true;
        n->out[i] = y;
    }
    if (ok) {
        tg__enter(tg, n->op, n->attr);
        /* messages name the line of the forward call */
        tg->here.file = n->at.file; tg->here.line = n->at.line;
        n->running = true;
        tg__callback_enter(tg, &callback);
        tg->unlisted = callback.unlisted;                              /* a derivative's calls are not the user's */
        ok = n->op->backward(tg, n, n->gout, dx) && tg->error == TG_OK;
        tg__callback_leave(tg, &callback);
        n->running = false;
        if (!ok && tg->error == TG_OK) tg__fail(tg, TG__E_OP_FAILED, "its backward failed without saying why");
    }
    for (i = 0; i < n->n_out && i < 16; i++) if (saved_out[i]) n->out[i] = saved_out[i];
    for (i = 0; i < n->n_in; i++) {                                    /* from here on dx holds counts, or NULL */
        tg_tensor *d = ok && n->wants[i] ? dx[i] : NULL;
        dx[i] = NULL;
        if (d) { dx[i] = tg__walk_fit(tg, w, n, i, d); ok = dx[i] != NULL; }
    }
    tg_end(tg, m);
    for (i = 0; i < n->n_in; i++) {
        if (!dx[i]) continue;
        if (ok) ok = tg__accumulate(tg, &n->in_slot[i].from->gout[n->in_slot[i].from_out], dx[i]);
        else tg__tensor_drop(dx[i]);
    }
    if (dx != few) tg__mem_put(tg, dx, (size_t)n->n_in * sizeof *dx);
    if (ok && !w->retain_graph) tg__node_let_go(n);
restore:
    for (i = 0; i < n->n_in; i++) n->wants[i] = n->in_slot[i].from != NULL;
    return ok;
}

/* The roots' gradients are in place (each root added with its gout). Walks, then puts everything back as it was. */
TG__PRIVATE bool tg__walk_run(tg__walk *w, bool ok) {
    tg_ctx *tg = w->tg;
    bool mode = tg->grad_mode;
    int i, j;
    for (i = 0; ok && i < w->n_captures; i++) {
        if (!w->captures[i].node) continue;                            /* an input that has no gradient */
        ok = tg__walk_add(w, w->captures[i].node);
        if (ok) w->captures[i].node->captured = w->captures[i].node->needed = true;
    }
    for (i = 0; ok && i < w->count; i++) {                             /* grows while it is read */
        tg__node *n = w->order[i];
        if (n->op == &tg__leaf_op || (w->barrier && n->captured)) continue;
        for (j = 0; ok && j < n->n_in; j++) {
            if (!n->in_slot[j].from) continue;
            ok = tg__walk_add(w, n->in_slot[j].from);
            tg__walk_reach(w, n->in_slot[j].from, n->in_slot[j].from_out);
        }
    }
    ok = ok && tg__walk_sort(w);
    /* oldest first: does it lead to something asked for? */
    for (i = w->count - 1; ok && w->captures && i >= 0; i--) {
        tg__node *n = w->order[i];
        if (n->op == &tg__leaf_op || (w->barrier && n->captured)) continue;
        for (j = 0; j < n->n_in && !n->needed; j++) n->needed = n->in_slot[j].from && n->in_slot[j].from->needed;
    }
    tg->grad_mode = w->create_graph;
    tg->unlisted++;
    w->outer = tg->walk; tg->walk = w;
    for (i = 0; ok && i < w->count; i++) {
        tg__node *n = w->order[i];
        if (!w->captures || n->needed) ok = tg__walk_node(tg, w, n);
        for (j = 0; j < n->n_out; j++) tg__let_go(&n->gout[j]);
    }
    tg->walk = w->outer;
    tg->unlisted--;
    tg->grad_mode = mode;
    tg__walk_place(tg, w);
    for (i = 0; i < w->count; i++) {
        tg__node *n = w->order[i];
        n->walk = NULL;
        for (j = 0; j < n->n_out; j++) tg__let_go(&n->gout[j]);
    }
    while (w->shelf) {
        tg__shelved *s = w->shelf;
        w->shelf = s->next;
        s->node->walk = s->walk; s->node->needed = s->needed; s->node->captured = s->captured;
        memcpy(s->node->gout, s + 1, (size_t)s->node->n_out * sizeof(tg_tensor *));
        tg__mem_put(tg, s, s->size);
    }
    for (i = 0; i < w->count; i++) tg__node_drop(tg, w->order[i]);
    tg__mem_put(tg, w->order, (size_t)w->room * sizeof *w->order);
    w->order = NULL; w->count = w->room = 0;
    return ok;
}

/* Puts the gradient of one output where the walk starts. NULL gradient: ones, for a single element. */
TG__PRIVATE bool tg__fail_no_graph(tg_ctx *tg, const tg_tensor *t) {
    return t->off_record ? tg__fail(tg, TG__E_OFF_RECORD, t) : tg__fail(tg, TG__E_NO_GRAPH, t, "");
}
TG__PRIVATE bool tg__walk_root(tg__walk *w, tg_tensor *t, tg_tensor *g) {
    tg_ctx *tg = w->tg;
    tg__node *n;
    tg_mark m;
    bool ok;
    tg__walk_place(tg, w);
    if (!tg__needs_grad(t)) return tg__fail_no_graph(tg, t);
    if (!g && t->numel != 1) return tg__fail(tg, TG__E_GRAD_SCALAR, t);
    if (g && !tg__same_shape(g, t)) return tg__fail(tg, TG__E_GRAD_SHAPE, g, t);
    n = tg__edge(t);
    if (!n || !tg__walk_add(w, n)) return false;
    m = tg_begin(tg);
    if (!g) g = tg_full_like(t, 1);
    else if (g->dtype != t->dtype) g = tg_to(g, t->dtype);
    ok = g != NULL;
    if (ok) g->count++;
    tg_end(tg, m);
    ok = ok && tg__accumulate(tg, &n->gout[t->out_index], g);
    tg__walk_place(tg, w);
    return ok;
}

TG_API bool tg_backward_from(const tg_backward_args *a) {
    tg__walk w = TG__ZERO;
    tg_tensor *loss = a ? a->loss : NULL;
    tg_ctx *tg;
    if (!a) return false;
    tg__note(loss ? loss : a->gradient, a->at);
    tg = a->gradient ? tg__start2(loss, a->gradient, "backward") : tg__start(loss, "backward");
    if (!tg) return false;
    tg__list_call(tg, "backward");
    tg__walk_begin(&w, tg);
    w.create_graph = a->create_graph; w.retain_graph = a->retain_graph || a->create_graph;
    return tg__walk_run(&w, tg__walk_root(&w, loss, a->gradient));
}

/* tg_grad and the checkpoint's inner walk. `g` may be NULL, and so may its entries for outputs without a
   gradient. */
TG__PRIVATE bool tg__gradients(tg_ctx *tg, tg_tensor *const *outputs, int n_outputs,
    tg_tensor *const *g, bool g_null_is_one, tg_tensor *const *inputs, int n_inputs, tg_tensor **gradients,
    bool create, bool retain, bool barrier, bool allow_unused) {
    tg__walk w = TG__ZERO;
    bool ok = true;
    int i;
    size_t size = (size_t)(n_inputs > 0 ? n_inputs : 1) * sizeof(tg__capture);
    tg__no_results(gradients, n_inputs);
    tg__walk_begin(&w, tg);
    w.create_graph = create; w.retain_graph = retain || create; w.barrier = barrier;
    w.captures = (tg__capture *)tg__mem_get(tg, size);
    if (!w.captures) return false;
    memset(w.captures, 0, size);
    for (i = 0; ok && i < n_inputs; i++) {
        ok = tg__use(tg, inputs[i], i);
        /* indices and the like: no gradient */
        if (ok && allow_unused && !tg_dtype_is_float(inputs[i]->dtype)) { w.n_captures++; continue; }
        if (ok && !tg__needs_grad(inputs[i])) ok = tg__fail(tg, TG__E_INPUT_NO_GRAD, i, inputs[i]);
        if (ok) {
            w.captures[i].node = tg__edge(inputs[i]);
            ok = w.captures[i].node != NULL;
            w.captures[i].out = inputs[i]->out_index;
        }
        if (ok) w.n_captures++;
    }
    for (i = 0; ok && i < n_outputs; i++) {
        tg_tensor *gi = g ? g[i] : NULL;
        ok = tg__use(tg, outputs[i], i) && (!gi || tg__use(tg, gi, i));
        if (!ok || (!gi && !g_null_is_one)) continue;
        if (!tg__needs_grad(outputs[i]) && (allow_unused || n_outputs > 1)) continue;
        ok = tg__walk_root(&w, outputs[i], gi);
    }
    ok = tg__walk_run(&w, ok);
    for (i = 0; i < w.n_captures; i++) {
        tg_tensor *t = w.captures[i].grad;
        /* it depends on the input, but not in the derivative: zeros */
        if (!t && ok && w.captures[i].reached) {
            bool mode = tg_grad_mode(tg, false);
            gradients[i] = tg_zeros_like(inputs[i]);
            tg_grad_mode(tg, mode);
            ok = gradients[i] != NULL;
            continue;
        }
        if (!t) {
            if (ok && !allow_unused) {
                tg__walk_place(tg, &w);
                ok = tg__fail(tg, TG__E_GRAD_UNUSED, i, inputs[i]);
            }
            continue;
        }
        if (ok) { gradients[i] = tg__hold(tg, t); ok = gradients[i] != NULL; }
        else tg__tensor_drop(t);
    }
    tg__mem_put(tg, w.captures, size);
    if (!ok) tg__no_results(gradients, n_inputs);
    return ok;
}

TG_API bool tg_grad_from(const tg_grad_args *a) {
    tg_ctx *tg;
    bool from, to;
    if (!a) return false;
    tg__no_results(a->gradients, a->n_inputs);
    from = a->inputs && a->n_inputs > 0; to = a->outputs && a->n_outputs > 0;
    if (from) tg__note(a->inputs[0], a->at);
    if (to) tg__note(a->outputs[0], a->at);
    if (!from || !to) {
        tg = to ? tg__start(a->outputs[0], "grad") : from ? tg__start(a->inputs[0], "grad") : NULL;
        return tg && tg__fail(tg, TG__E_ARGUMENT, to ? "no inputs given" : "no outputs given");
    }
    tg = tg__start2(a->outputs[0], a->inputs[0] ? a->inputs[0] : a->outputs[0], "grad");
    if (tg && !a->gradients) return tg__fail(tg, TG__E_NO_DATA, "place for the gradients");
    if (tg) tg__list_call(tg, "grad");
    return tg && tg__gradients(tg, a->outputs, a->n_outputs, a->grad_outputs, a->grad_outputs == NULL,
        a->inputs, a->n_inputs, a->gradients, a->create_graph, a->retain_graph, false, a->allow_unused);
}

/* ---- modes, leaves, hooks ---- */
TG_API bool tg_grad_mode(tg_ctx *tg, bool on) {
    bool was = tg && tg->grad_mode;
    if (tg && !tg__inside(tg, "grad_mode")) tg->grad_mode = on;
    return was;
}
TG_API bool tg_anomaly(tg_ctx *tg, bool on) {
    bool was = tg && tg->anomaly;
    if (tg) tg->anomaly = on;
    return was;
}
TG_API tg_tensor *(tg_require_grad)(tg_tensor *t, bool on) {
    tg_ctx *tg = tg__start(t, "require_grad");
    if (!tg) return NULL;
    if (on && !tg_dtype_is_float(t->dtype)) { tg__fail(tg, TG__E_GRAD_DTYPE, t); return NULL; }
    if (t->requires_grad == on) return t;
    if (!tg__is_leaf(t)) { tg__fail(tg, TG__E_NOT_LEAF, t, t->node->op->name); return NULL; }
    /* its node stays: graphs that have used it lead there */
    t->requires_grad = on;
    return t;
}
TG_API bool tg_has_grad(tg_tensor *t) { return t && t->alive && t->grad; }
/* Reading: it works while an error is pending. */
TG_API tg_tensor *(tg_grad_of)(tg_tensor *t) {
    tg_ctx *tg;
    if (!t || tg_has_grad(t)) return t ? t->grad : NULL;
    tg = tg__start(t, "grad_of");
    if (!tg) return NULL;
    if (t->off_record) tg__fail(tg, TG__E_OFF_RECORD, t);
    else if (!tg__needs_grad(t))
        tg__fail(tg, TG__E_NO_GRADIENT, t, "it does not require one; tg_require_grad it before it is used", "", "");
    else if (!tg__is_leaf(t))
        tg__fail(tg, TG__E_NO_GRADIENT, t, "it is the result of '", t->node->op->name, "'; tg_retain_grad it before the backward");
    else tg__fail(tg, TG__E_NO_GRADIENT, t, "no backward has reached it since it was made or cleared", "", "");
    return NULL;
}
TG_API bool (tg_zero_grad)(tg_tensor *t) {
    tg_ctx *tg = tg__start(t, "zero_grad");
    if (!tg) return false;
    tg__let_go(&t->grad);
    return true;
}

TG__PRIVATE bool tg__hook_add(tg_tensor *t, tg_hook_function hook, void *user, bool retain) {
    tg_ctx *tg = t->tg;
    tg__node *n;
    tg__hook_link *h, **at;
    if (!tg__needs_grad(t)) return tg__fail_no_graph(tg, t);
    n = tg__edge(t);
    h = n ? (tg__hook_link *)tg__mem_get(tg, sizeof *h) : NULL;
    if (!h) return false;
    h->next = NULL; h->hook = hook; h->user = user; h->out = t->out_index; h->retain = retain;
    for (at = &n->hooks; *at; at = &(*at)->next) { }
    *at = h;
    return true;
}
TG_API bool (tg_hook)(tg_tensor *t, tg_hook_function hook, void *user) {
    tg_ctx *tg = tg__start(t, "hook");
    return tg && (hook || tg__fail(tg, TG__E_ARGUMENT, "the function is NULL"))
        && tg__hook_add(t, hook, user, false);
}
TG_API tg_tensor *(tg_retain_grad)(tg_tensor *t) {
    tg_ctx *tg = tg__start(t, "retain_grad");
    if (!tg) return NULL;
    if (t->requires_grad && tg__is_leaf(t)) return t;
    return tg__hook_add(t, NULL, NULL, true) ? t : NULL;
}

/* ---- derivative products ---- */
TG__PRIVATE tg_ctx *tg__start_call(const tg_function_call *c, const char *name) {
    tg_ctx *tg = c && c->inputs && c->n_inputs > 0 ? tg__start_list(c->inputs, c->n_inputs, name) : NULL;
    if (tg && !c->f) { (void)tg__fail(tg, TG__E_ARGUMENT, "the function is NULL"); return NULL; }
    if (tg && c->n_outputs <= 0) { (void)tg__fail(tg, TG__E_ARGUMENT, "the function has no outputs"); return NULL; }
    return tg;
}
/* Runs c->f on `inputs`, which may be others than the call's own, and checks what it gave. */
TG__PRIVATE bool tg__function_run(tg_ctx *tg, const tg_function_call *c,
    tg_tensor *const *inputs, tg_tensor **outputs) {
    int i;
    const char *where = tg->where;
    tg_place here;
    tg__callback callback;
    bool ok;
    here.file = tg->here.file; here.line = tg->here.line;
    tg__no_results(outputs, c->n_outputs);
    tg__callback_enter(tg, &callback);
    ok = c->f(c->user, inputs, c->n_inputs, outputs, c->n_outputs);
    tg__callback_leave(tg, &callback);
    if (!ok) {
        if (tg->error == TG_OK) tg__fail(tg, TG__E_ARGUMENT, "the function returned false without an error");
        return false;
    }
    if (tg->error != TG_OK) return false;
    /* what follows is the derivative's business again */
    tg->where = where; tg->here.file = here.file; tg->here.line = here.line;
    for (i = 0; i < c->n_outputs; i++) {
        if (!outputs[i]) return tg__fail(tg, TG__E_FUNCTION_FAILED, i);
        if (!tg__use(tg, outputs[i], i)) return false;
    }
    return true;
}

/* The arrays that a derivative product needs, one block: x, g [n_inputs], y, u [n_outputs]. x are fresh leaves
   with the inputs' values, y is what the function made of them. */
typedef struct tg__product { tg_ctx *tg; tg_tensor **x, **y, **g, **u; size_t size; bool mode; } tg__product;

TG__PRIVATE bool tg__product_begin(tg__product *p, const tg_function_call *c, const char *name,
    tg_tensor *const *v, int n_v) {
    int i;
    size_t in, out;
    memset(p, 0, sizeof *p);
    p->tg = tg__start_call(c, name);
    if (!p->tg) return false;
    for (i = 0; i < n_v; i++) if (!tg__use(p->tg, v[i], i)) return false;
    in = (size_t)c->n_inputs; out = (size_t)c->n_outputs;
    p->size = 2 * (in + out) * sizeof(tg_tensor *);
    p->x = (tg_tensor **)tg__mem_get(p->tg, p->size);
    if (!p->x) return false;
    memset(p->x, 0, p->size);
    p->g = p->x + in; p->y = p->g + in; p->u = p->y + out;
    p->mode = tg_grad_mode(p->tg, true);
    for (i = 0; i < c->n_inputs; i++) {
        p->x[i] = tg_dtype_is_float(c->inputs[i]->dtype)
            ? tg_require_grad(tg_detach(c->inputs[i]), true) : c->inputs[i];
        if (!p->x[i]) return false;
    }
    p->tg->where = name;
    return tg__function_run(p->tg, c, p->x, p->y);
}
TG__PRIVATE bool tg__product_end(tg__product *p, bool ok) {
    if (p->x) { tg_grad_mode(p->tg, p->mode); tg__mem_put(p->tg, p->x, p->size); }
    return ok && p->tg->error == TG_OK;
}
/* Results that nothing reaches are zeros, as torch.autograd.functional gives them. */
TG__PRIVATE bool tg__zeros_for(tg_tensor **g, tg_tensor *const *like, int n) {
    int i;
    for (i = 0; i < n; i++) if (!g[i] && !(g[i] = tg_zeros_like(like[i]))) return false;
    return true;
}

TG__PRIVATE bool tg__no_vectors(const tg_function_call *c, const char *name) {
    tg_ctx *tg = c && c->inputs && c->n_inputs > 0 ? tg__start(c->inputs[0], name) : NULL;
    return tg && tg__fail(tg, TG__E_NO_DATA, "vectors");
}

TG_API bool (tg_vjp)(const tg_function_call *c, tg_tensor *const *v, tg_tensor **outputs, tg_tensor **vjps) {
    tg__product p;
    int i;
    bool ok;
    if (c) { tg__no_results(outputs, c->n_outputs); tg__no_results(vjps, c->n_inputs); }
    if (!v || !vjps) return tg__no_vectors(c, "vjp");
    ok = tg__product_begin(&p, c, "vjp", v, c ? c->n_outputs : 0);
    ok = ok && tg__gradients(p.tg, p.y, c->n_outputs, v, false, p.x, c->n_inputs, vjps, false, false, false, true)
        && tg__zeros_for(vjps, p.x, c->n_inputs);
    for (i = 0; ok && outputs && i < c->n_outputs; i++) ok = (outputs[i] = tg_detach(p.y[i])) != NULL;
    ok = tg__product_end(&p, ok);
    if (!ok && c) { tg__no_results(outputs, c->n_outputs); tg__no_results(vjps, c->n_inputs); }
    return ok;
}

/* J v by two reverse walks: u -> u^T J is linear in u, and its derivative by u, applied to v, is J v. */
TG_API bool (tg_jvp)(const tg_function_call *c, tg_tensor *const *v, tg_tensor **outputs, tg_tensor **jvps) {
    tg__product p;
    int i;
    bool ok;
    if (c) { tg__no_results(outputs, c->n_outputs); tg__no_results(jvps, c->n_outputs); }
    if (!v || !jvps) return tg__no_vectors(c, "jvp");
    ok = tg__product_begin(&p, c, "jvp", v, c ? c->n_inputs : 0);
    for (i = 0; ok && i < c->n_outputs; i++) ok = (p.u[i] = tg_require_grad(tg_zeros_like(p.y[i]), true)) != NULL;
    ok = ok && tg__gradients(p.tg, p.y, c->n_outputs, p.u, false, p.x, c->n_inputs, p.g, true, true, false, true);
    if (ok) {
        int n = 0;
        for (i = 0; i < c->n_inputs; i++) if (!p.g[i] || !p.g[i]->requires_grad) n++;
        if (n == c->n_inputs) for (i = 0; i < c->n_outputs; i++) jvps[i] = NULL;
        else {
            for (i = 0; ok && i < c->n_inputs; i++) if (!p.g[i]) ok = (p.g[i] = tg_zeros_like(p.x[i])) != NULL;
            ok = ok && tg__gradients(p.tg, p.g, c->n_inputs, v, false, p.u, c->n_outputs, jvps,
                false, false, false, true);
        }
        ok = ok && tg__zeros_for(jvps, p.y, c->n_outputs);
    }
    for (i = 0; ok && outputs && i < c->n_outputs; i++) ok = (outputs[i] = tg_detach(p.y[i])) != NULL;
    ok = tg__product_end(&p, ok);
    if (!ok && c) { tg__no_results(outputs, c->n_outputs); tg__no_results(jvps, c->n_outputs); }
    return ok;
}

TG_API bool (tg_hvp)(const tg_function_call *c, tg_tensor *const *v, tg_tensor **output, tg_tensor **hvps) {
    tg__product p;
    int i;
    bool ok, any = false;
    tg__no_results(output, 1);
    if (c) tg__no_results(hvps, c->n_inputs);
    if (!v || !hvps) return tg__no_vectors(c, "hvp");
    ok = tg__product_begin(&p, c, "hvp", v, c ? c->n_inputs : 0);
    if (ok && (c->n_outputs != 1 || p.y[0]->numel != 1)) ok = tg__fail(p.tg, TG__E_GRAD_SCALAR, p.y[0]);
    ok = ok && tg__gradients(p.tg, p.y, 1, NULL, true, p.x, c->n_inputs, p.g, true, true, false, true);
    for (i = 0; ok && i < c->n_inputs; i++) {
        if (!p.g[i]) ok = (p.g[i] = tg_zeros_like(p.x[i])) != NULL;
        else any = any || p.g[i]->requires_grad;
    }
    if (ok && any)
        ok = tg__gradients(p.tg, p.g, c->n_inputs, v, false, p.x, c->n_inputs, hvps, false, false, false, true);
    ok = ok && tg__zeros_for(hvps, p.x, c->n_inputs);
    if (ok && output) ok = (*output = tg_detach(p.y[0])) != NULL;
    ok = tg__product_end(&p, ok);
    if (!ok) { tg__no_results(output, 1); tg__no_results(hvps, c ? c->n_inputs : 0); }
    return ok;
}

TG_API tg_tensor *(tg_jacobian)(const tg_function_call *c, int output, int input) {
    tg__product p;
    tg_tensor *j = NULL;
    int64_t i, k, shape[2 * TG_MAX_DIMS];
    bool ok = tg__product_begin(&p, c, "jacobian", NULL, 0);
    if (ok && (output < 0 || output >= c->n_outputs || input < 0 || input >= c->n_inputs))
        ok = tg__fail(p.tg, TG__E_ARGUMENT, "there is no such output or input");
    if (ok && p.y[output]->ndim + p.x[input]->ndim > TG_MAX_DIMS)
        ok = tg__fail(p.tg, TG__E_NDIM, p.y[output]->ndim + p.x[input]->ndim);
    if (ok) {
        tg_tensor *y = p.y[output], *x = p.x[input];
        for (i = 0; i < y->ndim; i++) shape[i] = y->shape[i];
        for (i = 0; i < x->ndim; i++) shape[y->ndim + i] = x->shape[i];
        j = tg_full(p.tg, y->ndim + x->ndim, shape, 0, x->dtype);
        ok = j != NULL;
        for (k = 0; ok && k < y->numel && tg__needs_grad(y); k++) {
            tg_mark m = tg_begin(p.tg);
            tg_tensor *e = tg_zeros_like(y), *g = NULL, *row;
            int64_t rest = k, index[TG_MAX_DIMS];
            for (i = y->ndim - 1; i >= 0; i--) { index[i] = rest % y->shape[i]; rest /= y->shape[i]; }
            ok = e && tg_set(e, index, 1)
                && tg__gradients(p.tg, &y, 1, &e, false, &x, 1, &g, false, true, false, true);
            if (ok && g) {
                int64_t flat[2];
                flat[0] = y->numel; flat[1] = x->numel;
                p.tg->grad_mode = false;
                row = tg_select(tg_view(j, 2, flat), 0, k);
                ok = row && tg_copy_(row, tg_reshape(g, 1, &x->numel));
                p.tg->grad_mode = true;
            }
            tg_end(p.tg, m);
        }
    }
    return tg__product_end(&p, ok) ? j : NULL;
}

/* ---- gradcheck ---- */
typedef struct tg__check_second { const tg_function_call *call; tg_tensor *const *v; } tg__check_second;

/* inputs -> the gradients of sum(outputs * v) by the inputs: checking this function's first order checks the
   original's second. */
TG__PRIVATE bool tg__check_gradients(void *user, tg_tensor *const *inputs, int n_inputs,
    tg_tensor **outputs, int n_outputs) {
    const tg__check_second *s = (const tg__check_second *)user;
    tg_ctx *tg = inputs[0]->tg;
    tg_tensor *y[16];
    (void)n_outputs;
    if (s->call->n_outputs > 16) return tg__fail(tg, TG__E_ARGUMENT, "gradcheck takes up to 16 outputs");
    if (!tg__function_run(tg, s->call, inputs, y)) return false;
    return tg__gradients(tg, y, s->call->n_outputs, s->v, false, inputs, n_inputs, outputs, true, true, false, true)
        && tg__zeros_for(outputs, inputs, n_inputs);
}

/* d sum(y * v) / dx by central differences against the walk, element by element. */
TG__PRIVATE bool tg__check_order(const tg_gradcheck_args *a, const tg_function_call *c,
    tg_tensor *const *v, const char *order) {
    tg__product p;
    double eps = a->eps;
    int i, o, side;
    bool ok = tg__product_begin(&p, c, "gradcheck", v, c->n_outputs);
    ok = ok && tg__gradients(p.tg, p.y, c->n_outputs, v, false, p.x, c->n_inputs, p.g, false, true, false, true);
    for (i = 0; ok && i < c->n_inputs; i++) {
        int64_t k, d, index[TG_MAX_DIMS];
        if (!tg_dtype_is_float(p.x[i]->dtype)) continue;
        for (k = 0; ok && k < p.x[i]->numel; k++) {
            double sum[2] = { 0, 0 }, got, want, error, x0;
            int64_t rest = k;
            tg_mark m = tg_begin(p.tg);
            bool mode = tg_grad_mode(p.tg, strcmp(order, "second") == 0);
            for (d = p.x[i]->ndim - 1; d >= 0; d--) {
                index[d] = rest % p.x[i]->shape[d];
                rest /= p.x[i]->shape[d];
            }
            x0 = tg_get(p.x[i], index);
            for (side = 0; ok && side < 2; side++) {
                tg_tensor *moved = tg_clone(tg_detach(p.x[i])), *keep = p.x[i], *y[16];
                ok = moved && c->n_outputs <= 16 && tg_set(moved, index, x0 + (side ? -eps : eps));
                if (!ok) break;
                p.x[i] = moved;
                ok = tg_require_grad(moved, true) && tg__function_run(p.tg, c, p.x, y);
                p.x[i] = keep;
                for (o = 0; ok && o < c->n_outputs; o++)
                    if (v[o]) sum[side] += tg_item(tg_sum(tg_mul(tg_detach(y[o]), v[o])));
            }
            tg_grad_mode(p.tg, mode);
            got = p.g[i] ? tg_get(p.g[i], index) : 0;
            want = (sum[0] - sum[1]) / (2 * eps);
            error = got - want;
            if (error < 0) error = -error;
            if (ok && !(error <= a->atol + a->rtol * (want < 0 ? -want : want))) {
                p.tg->where = "gradcheck";
                ok = tg__fail(p.tg, TG__E_GRADCHECK, order, i, k, got, want);
            }
            tg_end(p.tg, m);
        }
    }
    return tg__product_end(&p, ok);
}

TG__PRIVATE tg_gradcheck_args tg__gradcheck_defaults(tg_gradcheck_args a) {
    if (!(a.atol > 0)) a.atol = 1e-5;
    if (!(a.eps > 0)) a.eps = 1e-6;
    if (!(a.rtol > 0)) a.rtol = 1e-3;
    return a;
}
TG_API bool tg_gradcheck_from(const tg_gradcheck_args *args) {
    tg_gradcheck_args filled = TG__ZERO;
    const tg_gradcheck_args *a = &filled;
    const tg_function_call *c = args ? args->call : NULL;
    tg_function_call first;
    tg_ctx *tg;
    tg_tensor *x[16], *y[16], *v[16], *w[16];
    tg_mark m;
    int i;
    bool ok, mode;
    if (args) filled = tg__gradcheck_defaults(*args);
    for (i = 0; c && c->inputs && i < c->n_inputs; i++) tg__note(c->inputs[i], a->at);
    tg = tg__start_call(c, "gradcheck");
    if (!tg) return false;
    if (c->n_inputs > 16 || c->n_outputs > 16)
        return tg__fail(tg, TG__E_ARGUMENT, "gradcheck takes up to 16 inputs and 16 outputs");
    m = tg_begin(tg);
    mode = tg_grad_mode(tg, false);
    ok = true;
    for (i = 0; ok && i < c->n_inputs; i++) {                          /* in f64: differences of f32 say little */
        x[i] = tg_dtype_is_float(c->inputs[i]->dtype) ? tg_to(c->inputs[i], TG_F64) : c->inputs[i];
        ok = x[i] != NULL;
        if (ok) w[i] = tg_dtype_is_float(x[i]->dtype) ? tg_normal_(tg_empty_like(x[i]), 0, 1) : NULL;
    }
    first = *c;
    first.inputs = x;
    ok = ok && tg__function_run(tg, &first, x, y);
    for (i = 0; ok && i < c->n_outputs; i++) {
        v[i] = tg_dtype_is_float(y[i]->dtype) ? tg_normal_(tg_empty_like(y[i]), 0, 1) : NULL;
        ok = tg->error == TG_OK;
    }
    tg_grad_mode(tg, true);
    ok = ok && tg__check_order(a, &first, v, "first");
    if (ok && a->second) {
        tg__check_second s;
        tg_function_call second = first;
        s.call = &first; s.v = v;
        second.f = tg__check_gradients; second.user = &s; second.n_outputs = c->n_inputs;
        ok = tg__check_order(a, &second, w, "second");
    }
    tg_grad_mode(tg, mode);
    tg_end(tg, m);
    return ok;
}

/* ---- checkpoint ---- */
typedef struct tg__checkpoint_attr {
    tg_function f;
    void *user;
    int n_inputs, n_outputs;
    tg_random_state random;
} tg__checkpoint_attr;

TG__PRIVATE bool tg__checkpoint_check(tg_ctx *tg, tg__node *n) { (void)n; return tg->error == TG_OK; }

/* Runs the function again, now recorded, and walks that small graph as far as the inputs and the tensors that
   it used from outside. */
TG__PRIVATE bool tg__checkpoint_backward(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    const tg__checkpoint_attr *at = (const tg__checkpoint_attr *)n->attr;
    tg_random_state now = tg->random;
    bool create = tg->grad_mode, ok;
    size_t size = ((size_t)at->n_outputs + 2 * (size_t)n->n_in) * sizeof(tg_tensor *);
    tg_tensor **y = (tg_tensor **)tg__mem_get(tg, size), **x, **gx;
    tg_function_call c;
    int i, j, wanted = 0;
    if (!y) return false;
    x = y + at->n_outputs; gx = x + n->n_in;
    c.f = at->f; c.user = at->user; c.inputs = n->in; c.n_inputs = at->n_inputs; c.n_outputs = at->n_outputs;
    tg->random = at->random;
    tg->grad_mode = true;
    ok = tg__function_run(tg, &c, n->in, y);
    tg->random = now;
    tg->grad_mode = create;
    /* a tensor that is several inputs gets its whole gradient once */
    for (i = 0; i < n->n_in; i++) {
        n->wants[i] = n->wants[i] && tg__needs_grad(n->in[i]);         /* frozen since */
        for (j = 0; j < i && n->wants[i]; j++)
            if (n->in_slot[j].from == n->in_slot[i].from && n->in_slot[j].from_out == n->in_slot[i].from_out)
                n->wants[i] = false;
        if (n->wants[i]) x[wanted++] = n->in[i];
    }
    ok = ok && tg__gradients(tg, y, at->n_outputs, g, false, x, wanted, gx, create, false, true, true);
    for (wanted = 0, i = 0; ok && i < n->n_in; i++) if (n->wants[i]) dx[i] = gx[wanted++];
    tg__mem_put(tg, y, size);
    return ok;
}
static const tg_op tg__checkpoint_op = { TG__OP("checkpoint", TG__IN_LIST, TG__OUT_LIST, TG__NO_FLAGS), TG__SAVES_EACH(TG_SAVE_INS), TG__ATTRS_HIDDEN(tg__checkpoint),
    tg__checkpoint_check, NULL, tg__checkpoint_backward, NULL };

TG_API bool (tg_vmap)(const tg_function_call *c, tg_tensor **outputs) {
    tg_ctx *tg;
    tg_tensor *few[8], **in = few;
    int64_t size = -1;
    bool ok = true;
    int i;
    for (i = 0; c && outputs && i < c->n_outputs; i++) outputs[i] = NULL;
    tg = c && c->inputs ? tg__start_list(c->inputs, c->n_inputs, "vmap") : NULL;
    if (!tg) return false;
    if (!c->f || !outputs) return tg__fail(tg, TG__E_NO_DATA, c->f ? "place for the outputs" : "function");
    for (i = 0; i < c->n_inputs; i++) {
        const tg_tensor *t = c->inputs[i];
        if (t->ndim && size < 0) size = t->shape[0];
        if (t->ndim == 0 || t->opaque || t->shape[0] != size) return tg__fail(tg, TG__E_VMAP_SIZE, i, t, size);
    }
    if (c->n_inputs > 8 && !(in = (tg_tensor **)tg__mem_get(tg, (size_t)c->n_inputs * sizeof *in))) return false;
    for (i = 0; ok && i < c->n_inputs; i++) ok = (in[i] = tg__lanes_wrap(tg, c->inputs[i])) != NULL;
    ok = ok && c->f(c->user, in, c->n_inputs, outputs, c->n_outputs) && tg->error == TG_OK;
    if (in != few) tg__mem_put(tg, in, (size_t)c->n_inputs * sizeof *in);
    for (i = 0; ok && i < c->n_outputs; i++) {
        if (!outputs[i]) { ok = tg__fail(tg, TG__E_FUNCTION_FAILED, i); break; }
        if (outputs[i]->opaque == TG__LANES) outputs[i] = outputs[i]->inner;
        else {                                                         /* the same for all: repeated */
            int64_t shape[TG_MAX_DIMS + 1];
            shape[0] = size;
            memcpy(shape + 1, outputs[i]->shape, (size_t)outputs[i]->ndim * sizeof shape[0]);
            ok = (outputs[i] = tg_expand(outputs[i], outputs[i]->ndim + 1, shape)) != NULL;
        }
        /* the whole belongs to the wrapper: the caller's scope holds it too */
        if (ok) { outputs[i]->count++; ok = tg__hold(tg, outputs[i]) != NULL; }
    }
    for (i = 0; !ok && i < c->n_outputs; i++) outputs[i] = NULL;
    if (!ok && tg->error == TG_OK) (void)tg__fail(tg, TG__E_FUNCTION_FAILED, 0);
    return ok;
}

TG_API bool (tg_checkpoint)(const tg_function_call *c, tg_tensor **outputs) {
    tg_ctx *tg;
    tg__recording rec = TG__ZERO, *outer;
    tg__checkpoint_attr at;
    tg__node *n = NULL;
    tg_tensor **all = NULL;
    size_t all_size = 0;
    bool mode, ok, graph = false;
    int i, count;
    tg__no_results(outputs, c ? c->n_outputs : 0);
    tg = tg__start_call(c, "checkpoint");
    if (tg && !outputs) return tg__fail(tg, TG__E_NO_DATA, "place for the outputs");
    if (!tg) return false;
    if (!tg->grad_mode) {
        ok = tg__function_run(tg, c, c->inputs, outputs);
        if (!ok) tg__no_results(outputs, c->n_outputs);
        return ok;
    }
    memset(&at, 0, sizeof at);
    at.f = c->f; at.user = c->user; at.n_inputs = c->n_inputs; at.n_outputs = c->n_outputs; at.random = tg->random;
    outer = tg->recording; tg->recording = &rec;
    mode = tg_grad_mode(tg, false);
    ok = tg__function_run(tg, c, c->inputs, outputs);
    tg_grad_mode(tg, mode);
    tg->recording = outer;
    count = c->n_inputs + rec.count;
    for (i = 0; ok && i < c->n_inputs; i++) ok = tg__use(tg, c->inputs[i], i);       /* the function may have let go of them */
    if (ok) {
        all_size = (size_t)(count + c->n_outputs) * sizeof(tg_tensor *);
        all = (tg_tensor **)tg__mem_get(tg, all_size);
        ok = all != NULL;
    }
    if (ok) {
        for (i = 0; i < count; i++) all[i] = i < c->n_inputs ? c->inputs[i] : rec.list[i - c->n_inputs];
        /* what is an input already must not be counted twice */
        for (i = 0; i < rec.count; i++) {
            int j;
            for (j = 0; j < c->n_inputs; j++) if (rec.list[i] == c->inputs[j]) all[c->n_inputs + i] = NULL;
        }
        for (i = 0; i < count; i++) graph = graph || (all[i] && tg__needs_grad(all[i]));
    }
    if (ok && graph) {
        tg_tensor **result = all + count;
        n = tg__node_make(tg, &tg__checkpoint_op, &at, count, c->n_outputs);
        ok = n != NULL;
        for (i = 0; ok && i < count; i++) {
            n->in[i] = NULL;
            n->in_slot[i].from = NULL;
            if (all[i]) tg__slot_fill(&n->in_slot[i], all[i]);
        }
        for (i = 0; i < c->n_outputs; i++) result[i] = NULL;
        for (i = 0; ok && i < c->n_outputs; i++) {
            result[i] = tg__alias(outputs[i]);
            ok = result[i] != NULL;
            if (ok) result[i]->made_by = "checkpoint";
        }
        ok = ok && tg__record(tg, n, all, result, NULL);
        for (i = 0; i < c->n_outputs; i++) {
            outputs[i] = NULL;
            if (!result[i]) continue;
            if (ok) { outputs[i] = tg__hold(tg, result[i]); ok = outputs[i] != NULL; }
            else tg__tensor_drop(result[i]);
        }
        if (n) tg__node_drop(tg, n);
    }
    for (i = 0; i < rec.count; i++) tg__tensor_drop(rec.list[i]);
    tg__mem_put(tg, rec.list, (size_t)rec.room * sizeof *rec.list);
    tg__mem_put(tg, all, all_size);
    if (!ok) tg__no_results(outputs, c->n_outputs);
    return ok;
}

/* ---- ops from outside ---- */
TG_API tg_tensor *(tg_call)(const tg_op *op, const void *attr,
    tg_tensor *const *inputs, int n_inputs, tg_tensor **outputs) {
    tg_ctx *tg = NULL;
    int i;
    tg__no_results(outputs, op ? op->n_out : 0);
    for (i = 0; i < n_inputs && inputs && !tg; i++) if (inputs[i]) tg = inputs[i]->tg;
    if (!op || !tg__gate(tg)) return NULL;
    tg->where = op->name;
    if (!op->name || !op->check || !op->forward) {
        tg__fail(tg, TG__E_RECORD, op->name ? op->name : "?", "name, check and forward are needed");
        return NULL;
    }
    if (op->n_out < 1 || op->n_out > 16) { tg__fail(tg, TG__E_RECORD, op->name, "1 to 16 outputs"); return NULL; }
    if (op->n_in >= 0 && (n_inputs < op->n_in || n_inputs > op->n_in + op->n_in_opt)) {
        tg__fail(tg, TG__E_RECORD, op->name, "the call has another number of inputs");
        return NULL;
    }
    if (op->flags & (TG_OP_INPLACE | TG_OP_VIEW)) {
        tg__fail(tg, TG__E_RECORD, op->name,
            "TG_OP_INPLACE and TG_OP_VIEW are for the library's own operations");
        return NULL;
    }
    {
        tg__callback callback;
        tg_tensor *y;
        for (i = 0; i < n_inputs; i++) if (inputs[i] && inputs[i]->alive) inputs[i]->count++;   /* check and forward may drop them */
        tg__callback_enter(tg, &callback);
        y = tg__call(op, attr, inputs, n_inputs, outputs, op->n_out);
        tg__callback_leave(tg, &callback);
        for (i = 0; i < n_inputs; i++) if (inputs[i] && inputs[i]->alive) tg__tensor_drop(inputs[i]);
        if (!y && tg->error == TG_OK)
            tg__fail(tg, TG__E_OP_FAILED,
                "its check or forward failed without saying why, or made no first output");
        return y;
    }
}
TG_API tg_tensor  *tg_node_in(tg__node *n, int i)     { return n && i >= 0 && i < n->n_in ? n->in[i] : NULL; }
TG_API tg_tensor  *tg_node_out(tg__node *n, int i)    { return n && i >= 0 && i < n->n_out ? n->out[i] : NULL; }
TG_API const void *tg_node_attr(tg__node *n)          { return n ? n->attr : NULL; }
TG_API uint64_t    tg_node_call(tg__node *n)          { return n ? n->call : 0; }
TG_API bool        tg_node_wants(tg__node *n, int i)  { return n && i >= 0 && i < n->n_in && n->wants[i]; }
TG_API bool        tg_node_make(tg__node *n, int i, tg_dtype dtype, int ndim, const int64_t *shape) {
    if (!n || i < 0 || i >= n->n_out || n->out[i]) return false;
    return tg__out_make(n->tg, n, i, dtype, ndim, shape);
}
TG_API bool tg_node_fail(tg__node *n, tg_error_code code, const char *text) {
    if (!n || n->tg->error != TG_OK) return false;
    tg__fail(n->tg, TG__E_OP_FAILED, text);
    n->tg->error = code == TG_OK ? TG_ERROR_VALUE : code;
    return false;
}

/* ======================================================================================
   >>impl-map    elementwise work: tiles, the map family, copy and cast, fill, and what a formula row becomes
   ====================================================================================== */

/* ---- runs and tiles ----
   Kernels compute in f32, f64 or i64 on operands with step 0 or 1. Everything else - other strides, half
   types, mixed dtypes - is gathered into tiles of scratch. */
#define TG__TILE 512

TG__KERNEL(void, tg__f16_to_f32, (int64_t n, float *d, const uint16_t *s));
TG__KERNEL(void, tg__bf16_to_f32, (int64_t n, float *d, const uint16_t *s));
TG__KERNEL(void, tg__f32_to_f16, (int64_t n, uint16_t *d, const float *s));
TG__KERNEL(void, tg__f32_to_bf16, (int64_t n, uint16_t *d, const float *s));

/* One case of the switches below: e is the element, value what becomes of it. */
#define TG__FROM(code, type, value) case code: { \
    const type *p = (const type *)s; \
    for (i = 0; i < n; i++) { const type e = p[i * stride]; y[i] = value; } \
    break; }
#define TG__INTO(code, type, value) case code: { \
    type *p = (type *)y; \
    for (i = 0; i < n; i++) { e = x[i]; p[i * stride] = (type)(value); } \
    break; }
#define TG__EACH_INTEGER(TG__X, value) \
    TG__X(TG_I64, int64_t, value) TG__X(TG_I32, int32_t, value) TG__X(TG_I16, int16_t, value) \
    TG__X(TG_I8, int8_t, value) TG__X(TG_U8, uint8_t, value)

/* n elements of type d from s (stride in elements), side by side at y. */
TG__PRIVATE void tg__load_f32(int isa, int64_t n, float *y, const void *s, int64_t stride, tg_dtype d) {
    int64_t i;
    if (stride == 1 && d == TG_F16) { tg__f16_to_f32__k[isa](n, y, (const uint16_t *)s); return; }
    if (stride == 1 && d == TG_BF16) { tg__bf16_to_f32__k[isa](n, y, (const uint16_t *)s); return; }
    switch (d) {
        TG__FROM(TG_F16, uint16_t, tg_f32_from_f16(e))
        TG__FROM(TG_BF16, uint16_t, tg_f32_from_bf16(e))
        TG__FROM(TG_F32, float, e)
        TG__FROM(TG_F64, double, (float)e)
        TG__FROM(TG_BOOL, uint8_t, e ? 1.0f : 0.0f)
        TG__EACH_INTEGER(TG__FROM, (float)e)
        default: break;
    }
}
TG__PRIVATE void tg__load_f64(int64_t n, double *y, const void *s, int64_t stride, tg_dtype d) {
    int64_t i;
    switch (d) {
        TG__FROM(TG_F16, uint16_t, tg_f32_from_f16(e))
        TG__FROM(TG_BF16, uint16_t, tg_f32_from_bf16(e))
        TG__FROM(TG_F32, float, e)
        TG__FROM(TG_F64, double, e)
        TG__FROM(TG_BOOL, uint8_t, e ? 1.0 : 0.0)
        TG__EACH_INTEGER(TG__FROM, (double)e)
        default: break;
    }
}
TG__PRIVATE void tg__load_i64(int64_t n, int64_t *y, const void *s, int64_t stride, tg_dtype d) {
    int64_t i;
    switch (d) {
        TG__FROM(TG_F16, uint16_t, tg__int_of((double)tg_f32_from_f16(e)))
        TG__FROM(TG_BF16, uint16_t, tg__int_of((double)tg_f32_from_bf16(e)))
        TG__FROM(TG_F32, float, tg__int_of((double)e))
        TG__FROM(TG_F64, double, tg__int_of(e))
        TG__FROM(TG_BOOL, uint8_t, e != 0)
        TG__EACH_INTEGER(TG__FROM, (int64_t)e)
        default: break;
    }
}

/* And back: n numbers x, side by side, to d elements at y. Floats become integers by tg__int_of and wrap;
   integers wrap. */
TG__PRIVATE void tg__store_f32(int isa, int64_t n, void *y, int64_t stride, tg_dtype d, const float *x) {
    int64_t i;
    float e;
    if (stride == 1 && d == TG_F16) { tg__f32_to_f16__k[isa](n, (uint16_t *)y, x); return; }
    if (stride == 1 && d == TG_BF16) { tg__f32_to_bf16__k[isa](n, (uint16_t *)y, x); return; }
    switch (d) {
        TG__INTO(TG_F16, uint16_t, tg_f16_from_f32(e))
        TG__INTO(TG_BF16, uint16_t, tg_bf16_from_f32(e))
        TG__INTO(TG_F32, float, e)
        TG__INTO(TG_F64, double, e)
        TG__INTO(TG_BOOL, uint8_t, (tg__bits32(e) & 0x7fffffffu) != 0)
        TG__EACH_INTEGER(TG__INTO, (uint64_t)tg__int_of((double)e))
        default: break;
    }
}
TG__PRIVATE void tg__store_f64(int64_t n, void *y, int64_t stride, tg_dtype d, const double *x) {
    int64_t i;
    double e;
    switch (d) {
        TG__INTO(TG_F16, uint16_t, tg_f16_from_f32((float)e))
        TG__INTO(TG_BF16, uint16_t, tg_bf16_from_f32((float)e))
        TG__INTO(TG_F32, float, e)
        TG__INTO(TG_F64, double, e)
        TG__INTO(TG_BOOL, uint8_t, (tg__bits64(e) & 0x7fffffffffffffffu) != 0)
        TG__EACH_INTEGER(TG__INTO, (uint64_t)tg__int_of(e))
        default: break;
    }
}
TG__PRIVATE void tg__store_i64(int64_t n, void *y, int64_t stride, tg_dtype d, const int64_t *x) {
    int64_t i, e;
    switch (d) {
        TG__INTO(TG_F16, uint16_t, tg_f16_from_f32((float)e))
        TG__INTO(TG_BF16, uint16_t, tg_bf16_from_f32((float)e))
        TG__INTO(TG_F32, float, e)
        TG__INTO(TG_F64, double, e)
        TG__INTO(TG_BOOL, uint8_t, e != 0)
        TG__EACH_INTEGER(TG__INTO, (uint64_t)e)
        default: break;
    }
}
#undef TG__FROM
#undef TG__INTO
#undef TG__EACH_INTEGER

TG__PRIVATE void tg__load(int isa, tg_dtype compute, int64_t n, void *y,
    const void *s, int64_t stride, tg_dtype d) {
    if (compute == TG_F32) tg__load_f32(isa, n, (float *)y, s, stride, d);
    else if (compute == TG_F64) tg__load_f64(n, (double *)y, s, stride, d);
    else tg__load_i64(n, (int64_t *)y, s, stride, d);
}
TG__PRIVATE void tg__store(int isa, tg_dtype compute, int64_t n,
    void *y, int64_t stride, tg_dtype d, const void *x) {
    if (compute == TG_F32) tg__store_f32(isa, n, y, stride, d, (const float *)x);
    else if (compute == TG_F64) tg__store_f64(n, y, stride, d, (const double *)x);
    else tg__store_i64(n, y, stride, d, (const int64_t *)x);
}
/* The type that elements of dtype d are computed in. */
TG__PRIVATE tg_dtype tg__compute_type(tg_dtype d) {
    return d == TG_F64 ? TG_F64 : tg_dtype_is_float(d) ? TG_F32 : TG_I64;
}

/* ---- walking several tensors together ----
   Dimensions of size 1 are dropped, the rest sorted by the first tensor's strides and merged where all
   tensors allow, so that most work is one flat run. */
#define TG__WALK_MAX 6
typedef struct tg__loop {
    int     ndim;
    int64_t numel;
    int64_t shape[TG_MAX_DIMS];
    int64_t stride[TG__WALK_MAX][TG_MAX_DIMS];       /* in elements; innermost last */
} tg__loop;

/* n operands of one shape; absent ones get stride 0. */
TG__PRIVATE void tg__loop_make(tg__loop *l, const tg_operand *o, int n) {
    int order[TG_MAX_DIMS], dims = 0, i, j, k;
    l->numel = tg__operand_numel(o);
    if (l->numel == 0) { l->ndim = 1; l->shape[0] = 0; return; }          /* its strides may be anything */
    for (i = 0; i < o->ndim; i++) {
        int64_t s;
        if (o->shape[i] == 1) continue;
        s = o->stride[i] < 0 ? -o->stride[i] : o->stride[i];
        for (j = dims; j > 0; j--) {
            int64_t outer = o->stride[order[j - 1]];
            if ((outer < 0 ? -outer : outer) >= s) break;
            order[j] = order[j - 1];
        }
        order[j] = i;
        dims++;
    }
    l->ndim = 0;
    for (i = 0; i < dims; i++) {
        int d = order[i], at = l->ndim;
        bool merge = at > 0;
        for (k = 0; k < n; k++) {
            int64_t s = o[k].use == TG_ABSENT ? 0 : o[k].stride[d];
            l->stride[k][at] = s;
            if (merge && l->stride[k][at - 1] != s * o->shape[d]) merge = false;
        }
        if (merge) {
            for (k = 0; k < n; k++) l->stride[k][at - 1] = l->stride[k][at];
            l->shape[at - 1] *= o->shape[d];
        } else { l->shape[at] = o->shape[d]; l->ndim++; }
    }
    if (l->ndim == 0) { l->ndim = 1; l->shape[0] = 1; for (k = 0; k < n; k++) l->stride[k][0] = 1; }
}
/* Offset of flat position `at` in tensor k, and the column within the innermost row. */
TG__PRIVATE int64_t tg__loop_offset(const tg__loop *l, int k, int64_t at, int64_t *column) {
    int64_t offset = 0;
    int d;
    for (d = l->ndim - 1; d > 0; d--) {
        int64_t q = at / l->shape[d], r = at - q * l->shape[d];
        offset += r * l->stride[k][d];
        if (d == l->ndim - 1 && column) *column = r;
        at = q;
    }
    if (l->ndim == 1 && column) *column = at;
    return offset + at * l->stride[k][0];
}
/* n elements from flat position `at` on of tensor k: into a tile (load) or from one (store). */
TG__PRIVATE void tg__loop_tile(const tg__loop *l, int k, int isa, int64_t at, int64_t n, tg_dtype compute,
    void *tile, char *base, tg_dtype d, bool store) {
    int last = l->ndim - 1;
    size_t size = tg_dtype_size(d), csize = tg_dtype_size(compute);
    while (n > 0) {
        int64_t column = 0, offset = tg__loop_offset(l, k, at, &column), m = tg__imin(n, l->shape[last] - column);
        char *p = base + offset * (int64_t)size;
        if (store) tg__store(isa, compute, m, p, l->stride[k][last], d, tile);
        else tg__load(isa, compute, m, tile, p, l->stride[k][last], d);
        tile = (char *)tile + (size_t)m * csize;
        at += m; n -= m;
    }
}

/* ---- the map family ----
   A kernel sees whole vectors: n is a multiple of their width, and an operand moves along (step -1, a mask
   for the index) or is one vector that serves the whole run (step 0). tg__map_run makes that of any n and of
   operands that are one number. Integer kernels are plain loops and take any n. */
typedef void (*tg__map_fn)(int64_t n, void *y, const void *const *x, const int64_t *step, const double *p);
typedef void (*tg__map_run_fn)(tg__map_fn fn, int operands, bool mask, int64_t n, void *y,
    const void *const *x, const int64_t *step, const double *p);
typedef void (*tg__map_settle_fn)(int64_t n, void *y);
static const tg__map_run_fn tg__map_run_f32__k[TG__PASSES] = { TG__EACH_PASS(tg__map_run_f32) };
static const tg__map_run_fn tg__map_run_f64__k[TG__PASSES] = { TG__EACH_PASS_F64(tg__map_run_f64) };

TG__PRIVATE void tg__map_call(int isa, tg_dtype compute, tg__map_fn fn, int operands, bool mask, int64_t n,
    void *y, const void *const *x, const int64_t *step, const double *p) {
    if (compute == TG_F32) tg__map_run_f32__k[isa](fn, operands, mask, n, y, x, step, p);
    else if (compute == TG_F64) tg__map_run_f64__k[isa](fn, operands, mask, n, y, x, step, p);
    else fn(n, y, x, step, p);
}

/* Compilers move signs across products and swap operands, and which NaN comes out of two hangs on that, as the sign of a
   new one hangs on the processor. In strict mode every NaN that a formula gives is the same one. */
static const tg__map_settle_fn tg__map_settle_f32__k[TG__PASSES] = { TG__EACH_PASS(tg__map_settle_f32) };
static const tg__map_settle_fn tg__map_settle_f64__k[TG__PASSES] = { TG__EACH_PASS_F64(tg__map_settle_f64) };
TG__PRIVATE void tg__map_settle(const tg_ctx *tg, tg_dtype compute, bool mask, int64_t n, void *y) {
    if (!tg->config.strict || mask || compute == TG_I64) return;
    if (compute == TG_F32) tg__map_settle_f32__k[tg->isa](n, y);
    else tg__map_settle_f64__k[tg->isa](n, y);
}

enum { TG__MAP_FLAT, TG__MAP_ONE, TG__MAP_ROW, TG__MAP_TILE };        /* how an operand reaches the kernel */

/* A formula's kernels: those of its value and of its derivatives. */
typedef struct tg__map_table { tg__map_fn f32[TG__PASSES], f64[TG__PASSES]; } tg__map_table;
typedef struct tg__map_kernels {
    const tg__map_table *part[4];                   /* the value, then the derivative by each operand; NULL: it is g */
    tg__map_fn whole;                               /* the value of integers, or NULL */
    bool mask;                                      /* the float kernels write bytes */
    bool divides;                                   /* integers: a zero in operand 1 is an error */
} tg__map_kernels;

typedef struct tg__map_plan {
    tg__job    job;
    tg__map_fn fn;
    tg_dtype   compute;
    bool       mask;                                /* the kernel writes bytes */
    bool       rows;                                /* rows are long enough to be taken one by one */
    tg__look   look;                                /* for zeros among divisors */
    int        n;                                   /* operands, the result first */
    int        how[TG__WALK_MAX];
    tg__loop   loop;
} tg__map_plan;

#define TG__MAP_CHUNK 16384

TG__PRIVATE void tg__map_look(tg__map_plan *j, int64_t index) {
    const tg_operand *o = &j->job.o[2];
    int64_t at = index * TG__MAP_CHUNK, end = tg__imin(at + TG__MAP_CHUNK, j->loop.numel);
    int64_t size = (int64_t)tg_dtype_size(o->dtype);
    bool zero = false;
    for (; at < end && !zero; at++)
        zero = tg__get_i64(j->job.at[2] + tg__loop_offset(&j->loop, 2, at, NULL) * size, o->dtype) == 0;
    if (zero) tg__look_bad(&j->look, index);
}

TG__PRIVATE void tg__map_chunk(void *plan, int64_t index) {
    tg__map_plan *j = (tg__map_plan *)plan;
    const tg_operand *o = j->job.o;
    char *const *base = j->job.at;
    int64_t at = index * TG__MAP_CHUNK, end = tg__imin(at + TG__MAP_CHUNK, j->loop.numel);
    size_t csize = tg_dtype_size(j->compute);
    int last = j->loop.ndim - 1, k, slot = -1, isa = j->job.tg->isa;
    char *tiles = NULL;
    int64_t one[TG__WALK_MAX];                                         /* operands that are one number, in the computed type */
    if (j->look.state) { tg__map_look(j, index); return; }
    for (k = 1; k < j->n; k++)
        if (j->how[k] == TG__MAP_ONE && o[k].use != TG_ABSENT) tg__load(isa, j->compute, 1, &one[k], base[k], 1, o[k].dtype);
    for (k = 0; k < j->n; k++) if (j->how[k] == TG__MAP_TILE) {
        tiles = (char *)tg__scratch_take(j->job.tg, &slot);
        break;
    }
    while (at < end) {
        const void *x[TG__WALK_MAX];
        int64_t step[TG__WALK_MAX];
        int64_t n = end - at;
        void *y;
        if (j->rows) {
            int64_t column = 0;
            (void)tg__loop_offset(&j->loop, 0, at, &column);
            n = tg__imin(n, j->loop.shape[last] - column);
        }
        if (tiles) n = tg__imin(n, TG__TILE);
        for (k = 1; k < j->n; k++) {
            step[k - 1] = -1;
            if (o[k].use == TG_ABSENT) { x[k - 1] = x[0]; step[k - 1] = step[0]; continue; }
            switch (j->how[k]) {
                case TG__MAP_FLAT: x[k - 1] = base[k] + at * (int64_t)csize; break;
                case TG__MAP_ONE: x[k - 1] = &one[k]; step[k - 1] = 0; break;
                case TG__MAP_ROW:
                    x[k - 1] = base[k] + tg__loop_offset(&j->loop, k, at, NULL) * (int64_t)csize;
                    step[k - 1] = -j->loop.stride[k][last];
                    break;
                default:
                    x[k - 1] = tiles + (size_t)k * TG__TILE * 8;
                    tg__loop_tile(&j->loop, k, isa, at, n, j->compute, tiles + (size_t)k * TG__TILE * 8,
                        base[k], o[k].dtype, false);
                    break;
            }
        }
        {
            size_t ysize = j->mask ? 1 : csize;
            y = j->how[0] == TG__MAP_FLAT ? (void *)(base[0] + at * (int64_t)ysize)
                : j->how[0] == TG__MAP_ROW
                    ? (void *)(base[0] + tg__loop_offset(&j->loop, 0, at, NULL) * (int64_t)ysize)
                : (void *)tiles;
        }
        tg__map_call(isa, j->compute, j->fn, j->n - 1, j->mask, n, y, x, step, j->job.r->number);
        tg__map_settle(j->job.tg, j->compute, j->mask, n, y);
        if (j->how[0] == TG__MAP_TILE) {
            if (j->mask) {                                             /* bytes to another type: by way of i64 */
                int64_t *wide = (int64_t *)(void *)(tiles + (size_t)j->n * TG__TILE * 8);
                tg__load_i64(n, wide, y, 1, TG_BOOL);
                tg__loop_tile(&j->loop, 0, isa, at, n, TG_I64, wide, base[0], o[0].dtype, true);
            } else tg__loop_tile(&j->loop, 0, isa, at, n, j->compute, y, base[0], o[0].dtype, true);
        }
        at += n;
    }
    if (tiles) tg__scratch_give(j->job.tg, slot);
}

/* Which kernel a formula's value (part 0) or derivative has on this context's instruction set. */
TG__PRIVATE tg__map_fn tg__map_kernel(const tg_ctx *tg, const tg__map_kernels *k, int part, tg_dtype compute) {
    if (compute == TG_I64) return k->whole;
    return compute == TG_F64 ? k->part[part]->f64[tg->isa] : k->part[part]->f32[tg->isa];
}

TG__PRIVATE int64_t tg__map_start(tg_ctx *tg, int phase, void *plan) {
    tg__map_plan *j = (tg__map_plan *)plan;
    const tg__map_kernels *kernels = (const tg__map_kernels *)j->job.kernels;
    const tg_request *r = j->job.r;
    const tg_operand *o = j->job.o;
    const tg__loop *l = &j->loop;
    int k, d;
    bool tile = false;
    if (phase == 0) {
        j->compute = r->compute; j->n = r->n; j->look.bad = 0;
        j->fn = tg__map_kernel(tg, kernels, r->part, r->compute);
        j->mask = kernels->mask && r->part == 0 && r->compute != TG_I64;
        j->look.state = kernels->divides && r->part == 0 && r->compute == TG_I64 ? TG__LOOKS : TG__LOOKED;
        tg__loop_make(&j->loop, o, r->n);
        if (l->numel == 0) return 0;
        if (j->look.state) return tg__ceil_div(l->numel, TG__MAP_CHUNK);
    } else {
        if (!j->look.state) return 0;
        if (j->look.bad) { (void)tg__fail(tg, TG__E_INTEGER_ZERO); return -1; }
        j->look.state = TG__LOOKED;
    }
    j->rows = l->ndim == 1 || l->shape[l->ndim - 1] >= 64;
    for (k = 0; k < j->n; k++) {
        bool flat = true, same = o[k].dtype == (k == 0 && j->mask ? TG_BOOL : j->compute), zero = true;
        int64_t dense = 1;
        if (o[k].use == TG_ABSENT) { j->how[k] = TG__MAP_ONE; continue; }
        for (d = l->ndim - 1; d >= 0; d--) {
            if (l->stride[k][d] != dense) flat = false;
            if (l->stride[k][d] != 0) zero = false;
            dense *= l->shape[d];
        }
        if (k > 0 && (zero || l->numel == 1)) {
            j->how[k] = TG__MAP_ONE;
        } else if (flat && same) j->how[k] = TG__MAP_FLAT;
        else if (j->rows && same && (l->stride[k][l->ndim - 1] == 1 || (k > 0 && l->stride[k][l->ndim - 1] == 0)))
            j->how[k] = TG__MAP_ROW;
        else { j->how[k] = TG__MAP_TILE; tile = true; }
    }
    /* no rows needed if everything is flat anyway */
    if (j->rows && l->ndim > 1) {
        bool all = true;
        for (k = 0; k < j->n; k++) if (j->how[k] == TG__MAP_ROW || j->how[k] == TG__MAP_TILE) all = false;
        if (all) j->rows = false;
    }
    if (tile && !tg__scratch_need(tg, (size_t)(j->n + 1) * TG__TILE * 8)) return -1;
    return tg__ceil_div(l->numel, TG__MAP_CHUNK);
}
TG__FAMILY(map, false);

/* Asks for y = a formula's value (part 0) or derivative of x[0], x[1], ...; an operand that the kernel does not
   read may be NULL. */
TG__PRIVATE bool tg__map(tg_ctx *tg, const tg__map_kernels *kernels, int row, int part, tg_dtype compute,
    tg_tensor *y, tg_tensor *const *x, int n, const double *p) {
    tg__ask a;
    int k;
    /* small and simple, on the host: no request to make */
    if (y->device == TG_CPU && y->numel <= TG__MAP_CHUNK && tg__is_dense(y) && !(kernels->divides && compute == TG_I64)) {
        const bool mask = kernels->mask && part == 0 && compute != TG_I64;
        const void *px[TG__WALK_MAX];
        int64_t step[TG__WALK_MAX];
        for (k = 0; k < n && y->dtype == (mask ? TG_BOOL : compute); k++) {
            const tg_tensor *v = x[k];
            if (!v) { px[k] = px[0]; step[k] = 0; continue; }          /* not read, but any number must stand there */
            step[k] = v->numel == 1 ? 0 : -1;
            if (v->dtype != compute || !(v->numel == 1 || tg__same_layout(v, y))) break;
            px[k] = v->data;
        }
        if (k == n) {
            unsigned old = tg__fp_enter(!tg->config.strict);
            if (y->numel) {
                tg__map_call(tg->isa, compute, tg__map_kernel(tg, kernels, part, compute), n, mask, y->numel, y->data, px, step, p);
                tg__map_settle(tg, compute, mask, y->numel, y->data);
            }
            tg__fp_leave(old);
            return true;
        }
    }
    tg__ask_begin(&a, TG_FAMILY_MAP, row, compute);
    a.r.part = part;
    a.r.number[0] = p[0]; a.r.number[1] = p[1];
    tg__ask_for(&a, y, TG_WRITE);
    for (k = 0; k < n; k++) tg__ask_wide(&a, x[k], &a.o[0]);
    return tg__launch(&a, tg, &tg__family_map, kernels);
}

/* ---- copy and cast ---- */
typedef struct tg__copy_plan {
    tg__job  job;
    char    *y; const char *x;
    tg_dtype yd, xd, compute;
    bool     raw;                                   /* one dtype: bytes move */
    bool     flat;
    int64_t  chunk;
    int      turn;                                  /* a transposition, by square blocks: along which x is dense; else -1 */
    tg__loop loop;
} tg__copy_plan;

/* Moves n elements of one size between strided runs. */
TG__PRIVATE void tg__move_run(int64_t n, size_t size, char *y, int64_t ys, const char *x, int64_t xs) {
    int64_t i;
    if (ys == 1 && xs == 1) { memcpy(y, x, (size_t)n * size); return; }
    switch (size) {
        case 8: {
            uint64_t *d = (uint64_t *)(void *)y;
            const uint64_t *s = (const uint64_t *)(const void *)x;
            for (i = 0; i < n; i++) d[i * ys] = s[i * xs];
            break;
        }
        case 4: {
            uint32_t *d = (uint32_t *)(void *)y;
            const uint32_t *s = (const uint32_t *)(const void *)x;
            for (i = 0; i < n; i++) d[i * ys] = s[i * xs];
            break;
        }
        case 2: {
            uint16_t *d = (uint16_t *)(void *)y;
            const uint16_t *s = (const uint16_t *)(const void *)x;
            for (i = 0; i < n; i++) d[i * ys] = s[i * xs];
            break;
        }
        default: {
            uint8_t *d = (uint8_t *)y;
            const uint8_t *s = (const uint8_t *)x;
            for (i = 0; i < n; i++) d[i * ys] = s[i * xs];
            break;
        }
    }
}

/* Rows of the same length. Short ones are not worth a call of memcpy each. */
TG__PRIVATE void tg__move_rows(int64_t rows, size_t bytes, char *y, int64_t ys, const char *x, int64_t xs) {
    for (; rows > 0; rows--, y += ys, x += xs) {
        size_t i = 0;
        if (bytes < 2048) {
            for (; i + 64 <= bytes; i += 64) memcpy(y + i, x + i, 64);
            for (; i + 8 <= bytes; i += 8) memcpy(y + i, x + i, 8);
            for (; i < bytes; i++) y[i] = x[i];
        } else memcpy(y, x, bytes);
    }
}

#if TG__HAS_X86 || TG__HAS_NEON
TG__KERNEL(void, tg__turn_f32, (int64_t lines, int64_t length, const float *x, int64_t xs, float *y, int64_t ys));
TG__KERNEL(void, tg__turn_f64, (int64_t lines, int64_t length, const double *x, int64_t xs, double *y, int64_t ys));
#endif

/* A chunk of a transposition: TG__TURN rows of y. Two dimensions matter, the innermost one, along which y is
   dense, and the one along which x is; the rest is walked. */
#define TG__TURN 32
TG__PRIVATE void tg__copy_turn(const tg__copy_plan *j, int64_t index) {
    const tg__loop *l = &j->loop;
    int in = l->ndim - 1, mid = j->turn, d;
    int64_t blocks, yo = 0, xo = 0, m0, ys, xs, rows, i0, i;
    size_t size = tg_dtype_size(j->yd);
    char *y;
    const char *x;
    blocks = tg__ceil_div(l->shape[mid], TG__TURN);
    m0 = index % blocks * TG__TURN; index /= blocks;
    for (d = in - 1; d >= 0; d--) {
        int64_t r;
        if (d == mid) continue;
        r = index % l->shape[d]; index /= l->shape[d];
        yo += r * l->stride[0][d]; xo += r * l->stride[1][d];
    }
    ys = l->stride[0][mid]; xs = l->stride[1][in];
    rows = tg__imin(TG__TURN, l->shape[mid] - m0);
    y = j->y + (yo + m0 * ys) * (int64_t)size;
    x = j->x + (xo + m0) * (int64_t)size;
#if TG__HAS_X86 || TG__HAS_NEON                        /* vectors hand bits on as they are; not so every scalar unit */
    if (l->stride[0][in] == 1 && j->job.tg->isa > TG__ISA_SCALAR && size >= 4) {
        if (size == 4)
            tg__turn_f32__k[j->job.tg->isa](l->shape[in], rows, (const float *)(const void *)x, xs,
                (float *)(void *)y, ys);
        else
            tg__turn_f64__k[j->job.tg->isa](l->shape[in], rows, (const double *)(const void *)x, xs,
                (double *)(void *)y, ys);
        return;
    }
#endif
    for (i0 = 0; i0 < l->shape[in]; i0 += TG__TURN)
        for (i = 0; i < rows; i++)
            tg__move_run(tg__imin(TG__TURN, l->shape[in] - i0), size,
                y + (i * ys + i0 * l->stride[0][in]) * (int64_t)size, l->stride[0][in],
                x + (i + i0 * xs) * (int64_t)size, xs);
}

/* ---- quantised blocks ----
   A scale d and whole numbers q: x = d q. q8_0: d = largest |x| / 127, q rounded to nearest, halves to even. q4_0: d =
   (the x of largest magnitude) / -8, q in -8..7 stored + 8, element i in the low half of byte i, i + 16 in the high one. */
TG__PRIVATE float tg__block_largest(const float *x) {
    float most = 0;
    int i;
    for (i = 0; i < TG__BLOCK; i++) if ((x[i] < 0 ? -x[i] : x[i]) > (most < 0 ? -most : most)) most = x[i];
    return most;
}
/* to nearest, halves to even; what is no number is 0 */
TG__PRIVATE int tg__block_round(float v, int low, int high) {
    int n;
    float r;
    if (!(v > (float)low - 1 && v < (float)high + 1)) return v >= (float)high ? high : v <= (float)low ? low : 0;
    n = (int)v;
    r = v - (float)n;
    if (r > 0.5f || (r == 0.5f && (n & 1))) n++;
    if (r < -0.5f || (r == -0.5f && (n & 1))) n--;
    return n < low ? low : n > high ? high : n;
}
TG__PRIVATE void tg__block_pack(tg_dtype d, unsigned char *y, const float *x) {
    const float most = tg__block_largest(x), scale = d == TG_Q8_0 ? (most < 0 ? -most : most) / 127 : most / -8,
        inverse = scale != 0 ? 1 / scale : 0;
    const uint16_t half = tg_f16_from_f32(scale);
    int i;
    y[0] = (unsigned char)(half & 255); y[1] = (unsigned char)(half >> 8);
    for (i = 0; i < TG__BLOCK; i++) {
        if (d == TG_Q8_0) y[2 + i] = (unsigned char)(signed char)tg__block_round(x[i] * inverse, -127, 127);
        else if (i < 16) y[2 + i] = (unsigned char)(tg__block_round(x[i] * inverse, -8, 7) + 8);
        else y[2 + i - 16] = (unsigned char)(y[2 + i - 16] | (tg__block_round(x[i] * inverse, -8, 7) + 8) << 4);
    }
}
TG__PRIVATE void tg__block_unpack(tg_dtype d, float *y, const unsigned char *x) {
    const float scale = tg_f32_from_f16((uint16_t)(x[0] | x[1] << 8));
    int i;
    for (i = 0; i < TG__BLOCK; i++)
        y[i] = scale * (float)(d == TG_Q8_0 ? (int)(signed char)x[2 + i] : (i < 16 ? x[2 + i] & 15 : x[2 + i - 16] >> 4) - 8);
}
TG__PRIVATE void tg__copy_blocks(const tg__copy_plan *j, int64_t at, int64_t end) {
    const bool pack = tg__is_block(j->yd);
    const tg_dtype d = pack ? j->yd : j->xd, other = pack ? j->xd : j->yd;
    for (; at < end; at += TG__BLOCK) {
        float v[TG__BLOCK];
        const size_t b = tg_dtype_bytes(d, at), e = (size_t)at * tg_dtype_size(other);
        if (pack) {
            tg__load_f32(j->job.tg->isa, TG__BLOCK, v, j->x + e, 1, other);
            tg__block_pack(d, (unsigned char *)j->y + b, v);
        } else {
            tg__block_unpack(d, v, (const unsigned char *)j->x + b);
            tg__store_f32(j->job.tg->isa, TG__BLOCK, j->y + e, 1, other, v);
        }
    }
}

TG__PRIVATE void tg__copy_chunk(void *plan, int64_t index) {
    tg__copy_plan *j = (tg__copy_plan *)plan;
    const tg__loop *l = &j->loop;
    int64_t at = index * j->chunk, end = tg__imin(at + j->chunk, l->numel);
    size_t ysize = tg_dtype_size(j->yd), xsize = tg_dtype_size(j->xd);
    int last = l->ndim - 1, slot = -1;
    char *tile = NULL;
    if (j->job.r->kind == TG_COPY_BLOCKS) { tg__copy_blocks(j, at, end); return; }
    if (j->turn >= 0) { tg__copy_turn(j, index); return; }
    if (j->flat) {
        memcpy(j->y + at * (int64_t)ysize, j->x + at * (int64_t)xsize, (size_t)(end - at) * ysize);
        return;
    }
    if (!j->raw) tile = (char *)tg__scratch_take(j->job.tg, &slot);
    while (at < end) {
        int64_t column = 0, yo = tg__loop_offset(l, 0, at, &column), xo = tg__loop_offset(l, 1, at, NULL),
            n = tg__imin(end - at, l->shape[last] - column);
        if (j->raw && last > 0 && column == 0 && end - at >= 2 * l->shape[last] &&
            l->stride[0][last] == 1 && l->stride[1][last] == 1) {
            int64_t row = at / l->shape[last] % l->shape[last - 1],
                rows = tg__imin((end - at) / l->shape[last], l->shape[last - 1] - row);
            tg__move_rows(rows, (size_t)l->shape[last] * ysize,
                j->y + yo * (int64_t)ysize, l->stride[0][last - 1] * (int64_t)ysize,
                j->x + xo * (int64_t)xsize, l->stride[1][last - 1] * (int64_t)xsize);
            n = rows * l->shape[last];
        } else if (j->raw)
            tg__move_run(n, ysize, j->y + yo * (int64_t)ysize, l->stride[0][last],
                j->x + xo * (int64_t)xsize, l->stride[1][last]);
        else {
            n = tg__imin(n, TG__TILE);
            tg__load(j->job.tg->isa, j->compute, n, tile, j->x + xo * (int64_t)xsize, l->stride[1][last], j->xd);
            tg__store(j->job.tg->isa, j->compute, n, j->y + yo * (int64_t)ysize, l->stride[0][last], j->yd, tile);
        }
        at += n;
    }
    if (tile) tg__scratch_give(j->job.tg, slot);
}
TG__PRIVATE int64_t tg__copy_start(tg_ctx *tg, int phase, void *plan) {
    tg__copy_plan *j = (tg__copy_plan *)plan;
    const tg_operand *o = j->job.o;
    tg__loop *l = &j->loop;
    int d, last;
    if (phase > 0) return 0;
    j->y = j->job.at[0]; j->x = j->job.at[1]; j->yd = o[0].dtype; j->xd = o[1].dtype;
    j->compute = j->job.r->compute;
    j->raw = j->yd == j->xd;
    tg__loop_make(l, o, 2);
    last = l->ndim - 1;
    if (l->numel == 0) return 0;
    j->chunk = TG__MAP_CHUNK;
    if (j->job.r->kind == TG_COPY_BLOCKS) return tg__ceil_div(l->numel, j->chunk);
    if (!j->raw && !tg__scratch_need(tg, TG__TILE * 8)) return -1;
    j->flat = j->raw && l->ndim == 1 && (l->shape[0] == 1 || (l->stride[0][0] == 1 && l->stride[1][0] == 1));
    j->chunk = j->flat ? 65536 : TG__MAP_CHUNK;
    j->turn = -1;
    if (j->raw && last > 0 && l->stride[1][last] != 1 && l->stride[1][last] != 0 && l->shape[last] >= 8) {
        for (d = 0; d < last; d++) {
            if (l->stride[1][d] != 1 || l->shape[d] < 8) continue;
            j->turn = d;
            return l->numel / (l->shape[d] * l->shape[last]) * tg__ceil_div(l->shape[d], TG__TURN);
        }
    }
    return tg__ceil_div(l->numel, j->chunk);
}
TG__FAMILY(copy, true);

TG__PRIVATE bool tg__transfer(tg_ctx *tg, tg_tensor *y, tg_tensor *x);
/* One of the two, or both, block-quantised: of one shape, the other one packed. */
TG__PRIVATE bool tg__copy_opaque(tg_ctx *tg, tg_tensor *y, tg_tensor *x) {
    const bool same = y->dtype == x->dtype;
    tg__ask a;
    int i;
    tg__ask_begin(&a, TG_FAMILY_COPY, same ? TG_COPY_ELEMENTS : TG_COPY_BLOCKS, same ? TG_I64 : TG_F32);
    tg__ask_for(&a, y, TG_WRITE);
    tg__ask_for(&a, x, TG_READ);
    for (i = 0; i < 2; i++) {
        tg_operand *o = &a.o[i];
        o->ndim = 1;
        o->shape[0] = same ? (int64_t)tg_dtype_bytes(y->dtype, y->numel) : y->numel;
        o->stride[0] = 1;
        if (same) o->dtype = TG_U8;
    }
    return tg__launch(&a, tg, &tg__family_copy, NULL);
}
/* y = x, broadcast and converted. Overlapping storages are the caller's business. */
TG__PRIVATE bool tg__copy_to(tg_ctx *tg, tg_tensor *y, tg_tensor *x) {
    tg__ask a;
    if (TG__RARE(y->device != x->device && !x->is_number)) return tg__transfer(tg, y, x);
    if (TG__RARE(y->opaque || x->opaque)) return tg__copy_opaque(tg, y, x);
    tg__ask_begin(&a, TG_FAMILY_COPY, 0,
        tg_dtype_is_float(y->dtype) ? (y->dtype == TG_F64 || x->dtype == TG_F64 ? TG_F64 : TG_F32)
        : y->dtype == TG_BOOL && tg_dtype_is_float(x->dtype) ? tg__compute_type(x->dtype) : TG_I64);
    tg__ask_for(&a, y, TG_WRITE);
    tg__ask_wide(&a, x, &a.o[0]);
    return tg__launch(&a, tg, &tg__family_copy, NULL);
}

/* ---- fill ---- */
typedef struct tg__fill_plan { tg__job job; tg__loop loop; } tg__fill_plan;
#define TG__FILL_CHUNK 32768

TG__PRIVATE void tg__fill_chunk(void *plan, int64_t index) {
    tg__fill_plan *j = (tg__fill_plan *)plan;
    const tg_request *r = j->job.r;
    const tg__loop *l = &j->loop;
    int64_t at = index * TG__FILL_CHUNK, end = tg__imin(at + TG__FILL_CHUNK, l->numel);
    const tg_dtype d = j->job.o[0].dtype;
    size_t size = tg_dtype_size(d);
    int last = l->ndim - 1;
    while (at < end) {
        int64_t column = 0, o = tg__loop_offset(l, 0, at, &column),
            n = tg__imin(end - at, l->shape[last] - column), s = l->stride[0][last], i;
        char *y = j->job.at[0] + o * (int64_t)size;
        if (r->kind == TG_FILL_RAMP)
            for (i = 0; i < n; i++)
                tg__put_scalar(y + i * s * (int64_t)size, d, r->number[0] + (double)(at + i) * r->number[1],
                    (int64_t)((uint64_t)r->whole[0] + (uint64_t)(at + i) * (uint64_t)r->whole[1]),
                    !tg_dtype_is_float(d));
        else if (size == 1) {
            unsigned char v;
            memcpy(&v, &r->whole[0], 1);
            if (s == 1) memset(y, v, (size_t)n);
            else for (i = 0; i < n; i++) ((unsigned char *)y)[i * s] = v;
        } else if (size == 2) {
            uint16_t v, *p = (uint16_t *)(void *)y;
            memcpy(&v, &r->whole[0], 2);
            for (i = 0; i < n; i++) p[i * s] = v;
        } else if (size == 4) {
            uint32_t v, *p = (uint32_t *)(void *)y;
            memcpy(&v, &r->whole[0], 4);
            if (s == 1) for (i = 0; i < n; i++) p[i] = v; else for (i = 0; i < n; i++) p[i * s] = v;
        } else {
            uint64_t v, *p = (uint64_t *)(void *)y;
            memcpy(&v, &r->whole[0], 8);
            if (s == 1) for (i = 0; i < n; i++) p[i] = v; else for (i = 0; i < n; i++) p[i * s] = v;
        }
        at += n;
    }
}
TG__PRIVATE int64_t tg__fill_start(tg_ctx *tg, int phase, void *plan) {
    tg__fill_plan *j = (tg__fill_plan *)plan;
    (void)tg;
    if (phase) return 0;
    tg__loop_make(&j->loop, j->job.o, 1);
    return tg__ceil_div(j->loop.numel, TG__FILL_CHUNK);
}
TG__FAMILY(fill, false);

TG__PRIVATE bool tg__fill(tg_ctx *tg, tg_tensor *y, double f, int64_t i, bool is_int) {
    tg__ask a;
    tg__ask_begin(&a, TG_FAMILY_FILL, TG_FILL_VALUE, y->dtype);
    tg__put_scalar(&a.r.whole[0], y->dtype, f, i, is_int);
    tg__ask_for(&a, y, TG_WRITE);
    return tg__launch(&a, tg, &tg__family_fill, NULL);
}
/* y has one dimension */
TG__PRIVATE bool tg__ramp(tg_ctx *tg, tg_tensor *y, double fstart, double fstep, int64_t start, int64_t step) {
    tg__ask a;
    tg__ask_begin(&a, TG_FAMILY_FILL, TG_FILL_RAMP, y->dtype);
    a.r.number[0] = fstart; a.r.number[1] = fstep; a.r.whole[0] = start; a.r.whole[1] = step;
    tg__ask_for(&a, y, TG_WRITE);
    return tg__launch(&a, tg, &tg__family_fill, NULL);
}

/* ---- the formula table's rows become records ---- */
/* The rows for integers: 64-bit numbers, wrapped to the type afterwards. C expressions over x or a, b, c and
   the numbers p. A formula without a row here is for floating types only. The second column is what else must
   hold: NO_BOOL, no operand is bool; NO_ZERO, no element of b is 0; POWER, b is not a negative number; WHOLE_P0,
   the number P0 is whole. */
enum { TG__INT_ANY, TG__INT_NO_BOOL, TG__INT_NO_ZERO, TG__INT_POWER, TG__INT_WHOLE_P0 };
#define TG__WRAP(u) ((int64_t)(u))
#define TG__INTEGER_FORMULAS(TG__I1, TG__I2, TG__I3) \
    TG__I1(tg_neg,           ANY,       TG__WRAP((uint64_t)0 - (uint64_t)x)) \
    TG__I1(tg_abs,           ANY,       x < 0 ? TG__WRAP((uint64_t)0 - (uint64_t)x) : x) \
    TG__I1(tg_sign,          ANY,       (x > 0) - (x < 0)) \
    TG__I1(tg_square,        ANY,       TG__WRAP((uint64_t)x * (uint64_t)x)) \
    TG__I1(tg_relu,          ANY,       x > 0 ? x : 0) \
    TG__I1(tg_floor,         ANY,       x) \
    TG__I1(tg_ceil,          ANY,       x) \
    TG__I1(tg_round,         ANY,       x) \
    TG__I1(tg_trunc,         ANY,       x) \
    TG__I1(tg_isnan,         ANY,       x & 0) \
    TG__I1(tg_isinf,         ANY,       x & 0) \
    TG__I1(tg_isfinite,      ANY,       (x | 1) != 0) \
    TG__I1(tg_logical_not,   ANY,       x == 0) \
    TG__I1(tg_hardtanh,      ANY,       tg__int_clamp(x, p)) \
    TG__I1(tg_clamp,         ANY,       tg__int_clamp(x, p)) \
    TG__I2(tg_add,           ANY,       TG__WRAP((uint64_t)a + (uint64_t)b)) \
    TG__I2(tg_sub,           NO_BOOL,   TG__WRAP((uint64_t)a - (uint64_t)b)) \
    TG__I2(tg_mul,           ANY,       TG__WRAP((uint64_t)a * (uint64_t)b)) \
    TG__I2(tg_pow,           POWER,     tg__int_pow(a, b)) \
    TG__I2(tg_maximum,       ANY,       a > b ? a : b) \
    TG__I2(tg_minimum,       ANY,       a < b ? a : b) \
    TG__I2(tg_fmod,          NO_ZERO,   tg__int_mod(a, b)) \
    TG__I2(tg_remainder,     NO_ZERO,   tg__int_remainder(a, b)) \
    TG__I2(tg_floor_divide,  NO_ZERO,   tg__int_floor_divide(a, b)) \
    TG__I2(tg_div_trunc,     NO_ZERO,   b == -1 ? (int64_t)((uint64_t)0 - (uint64_t)a) : b == 0 ? 0 : a / b) \
    TG__I2(tg_eq,            ANY,       a == b) \
    TG__I2(tg_ne,            ANY,       a != b) \
    TG__I2(tg_lt,            ANY,       a < b) \
    TG__I2(tg_le,            ANY,       a <= b) \
    TG__I2(tg_gt,            ANY,       a > b) \
    TG__I2(tg_ge,            ANY,       a >= b) \
    TG__I2(tg_logical_and,   ANY,       a && b) \
    TG__I2(tg_logical_or,    ANY,       a || b) \
    TG__I2(tg_logical_xor,   ANY,       !a != !b) \
    TG__I2(tg_add_scaled,    WHOLE_P0,  TG__WRAP((uint64_t)a + (uint64_t)tg__int_of(p[0]) * (uint64_t)b)) \
    TG__I3(tg_where,         ANY,       a ? b : c) \
    TG__I3(tg_addcmul,       ANY,       TG__WRAP((uint64_t)a + (uint64_t)tg__int_of(p[0]) * (uint64_t)b * (uint64_t)c))

TG__PRIVATE int64_t tg__int_pow(int64_t a, int64_t b) {
    uint64_t r = 1, f = (uint64_t)a;
    if (b < 0) return a == 1 ? 1 : a == -1 ? ((b & 1) ? -1 : 1) : 0;
    for (; b; b >>= 1) { if (b & 1) r *= f; f *= f; }
    return (int64_t)r;
}
TG__PRIVATE int64_t tg__int_clamp(int64_t x, const double *p) {        /* the upper bound wins */
    if (x < tg__int_of(p[0])) x = tg__int_of(p[0]);
    return p[1] < 9223372036854775808.0 && x > tg__int_of(p[1]) ? tg__int_of(p[1]) : x;
}
/* Division by zero is refused before the kernel runs; INT64_MIN / -1 wraps. */
TG__PRIVATE int64_t tg__int_mod(int64_t a, int64_t b) { return b == 0 || b == -1 ? 0 : a % b; }
TG__PRIVATE int64_t tg__int_remainder(int64_t a, int64_t b) {
    int64_t r = tg__int_mod(a, b);
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
TG__PRIVATE int64_t tg__int_floor_divide(int64_t a, int64_t b) {
    if (b == 0) return 0;
    if (b == -1) return (int64_t)((uint64_t)0 - (uint64_t)a);
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

#define TG__I1(name, rule, value) enum { name##_rule = TG__INT_##rule }; TG__PRIVATE void name##_i(int64_t n, void *y_, const void *const *x_, const int64_t *step, const double *p) { \
    int64_t *y = (int64_t *)y_, i; const int64_t *xs = (const int64_t *)x_[0]; (void)p; \
    for (i = 0; i < n; i++) { int64_t x = xs[i & step[0]]; y[i] = value; } }
#define TG__I2(name, rule, value) enum { name##_rule = TG__INT_##rule }; TG__PRIVATE void name##_i(int64_t n, void *y_, const void *const *x_, const int64_t *step, const double *p) { \
    int64_t *y = (int64_t *)y_, i; const int64_t *as = (const int64_t *)x_[0], *bs = (const int64_t *)x_[1]; (void)p; \
    for (i = 0; i < n; i++) { int64_t a = as[i & step[0]], b = bs[i & step[1]]; y[i] = value; } }
#define TG__I3(name, rule, value) enum { name##_rule = TG__INT_##rule }; TG__PRIVATE void name##_i(int64_t n, void *y_, const void *const *x_, const int64_t *step, const double *p) { \
    int64_t *y = (int64_t *)y_, i; const int64_t *as = (const int64_t *)x_[0], *bs = (const int64_t *)x_[1], *cs = (const int64_t *)x_[2]; (void)p; \
    for (i = 0; i < n; i++) { int64_t a = as[i & step[0]], b = bs[i & step[1]], c = cs[i & step[2]]; y[i] = value; } }
TG__INTEGER_FORMULAS(TG__I1, TG__I2, TG__I3)
#undef TG__I1
#undef TG__I2
#undef TG__I3

/* A kernel's two tables, one pointer per pass each. */
#define TG__MAP_TABLE(name) static const tg__map_table name##__t = { { TG__EACH_PASS(name##_f32) }, { TG__EACH_PASS_F64(name##_f64) } };

/* Does this pass fuse a product and a sum that are to be rounded one by one? Only clang's -ffp-contract=fast does so in spite of the
   pragmas, and nothing tells the header of that flag. a + p b, where p b = 1 + 2^-11 + 2^-24 and a = -(1 + 2^-11). */
TG__PRIVATE bool tg__fuses(int isa) {
    static const tg__map_fn kernel[TG__PASSES] = { TG__EACH_PASS(tg_add_scaled_v_f32) };
    volatile float va = -1.00048828125f, vb = 1.000244140625f;
    const float a = va, b = vb;
    const double p = (double)b;
    const int64_t step[2] = { 0, 0 };
    const void *x[2];
    float y = 0;
    x[0] = &a; x[1] = &b;
    tg__map_call(isa, TG_F32, kernel[isa], 2, false, 1, &y, x, step, &p);
    return tg__bits32(y) != 0;
}

enum { TG__SAME, TG__NUMERIC, TG__COUNTING, TG__FLOATING, TG__FLOAT_ONLY, TG__PREDICATE, TG__CHOOSE };

typedef tg_tensor *(*tg__composed_fn)(tg_ctx *tg, const double *p,
    tg_tensor *g, tg_tensor *const *in, tg_tensor *y);

typedef struct tg__formula {
    tg_op op;                                       /* first: the record is the formula; its kind is the row */
    tg__map_kernels kernels;
    int   types, rule;                              /* TG__SAME ...; TG__INT_..., for integers */
    tg__composed_fn composed[3];                    /* the derivatives in tg calls */
} tg__formula;
typedef struct tg__numbers { double p[2]; } tg__numbers;
TG__PRIVATE const double *tg__numbers_of(const tg__node *n) {
    static const double none[2] = { 0, 0 };
    return n->op->attr_size ? ((const tg__numbers *)n->attr)->p : none;
}

/* The dtype of a call's result: torch's promotion. Tensors with dimensions count first; 0-d tensors only if
   they are of a higher category, plain numbers likewise. */
TG__PRIVATE int tg__category(tg_dtype d) { return tg_dtype_is_float(d) ? 2 : d == TG_BOOL ? 0 : 1; }
TG__PRIVATE tg_dtype tg__result_type(tg_tensor *const *in, int n) {
    tg_dtype best[3], r = TG_BOOL;
    bool has[3] = { false, false, false };
    int i, k;
    if (n == 2 && in[0]->dtype == in[1]->dtype && !in[0]->is_number && !in[1]->is_number) return in[0]->dtype;
    for (i = 0; i < n; i++) {
        tg_dtype d = in[i]->dtype;
        k = in[i]->is_number ? 2 : in[i]->ndim == 0 ? 1 : 0;
        if (k == 2) d = tg_dtype_is_float(d) ? TG_F32 : TG_I64;
        best[k] = has[k] ? tg_dtype_promote(best[k], d) : d;
        has[k] = true;
    }
    /* from weak to strong: the stronger type, unless the weaker one's category is higher */
    for (k = 2; k >= 0; k--) if (has[k] && tg__category(best[k]) >= tg__category(r)) r = best[k];
    return r;
}

TG__PRIVATE bool tg__broadcast(tg_ctx *tg, tg_tensor *const *in, int n, int *ndim, int64_t *shape) {
    int i, d;
    *ndim = 0;
    for (i = 0; i < n; i++) if (in[i]->ndim > *ndim) *ndim = in[i]->ndim;
    for (d = 0; d < *ndim; d++) {
        int first = -1;
        shape[d] = 1;
        for (i = 0; i < n; i++) {
            int k = d - (*ndim - in[i]->ndim);
            int64_t s = k >= 0 ? in[i]->shape[k] : 1;
            if (s == 1) continue;
            if (first >= 0 && s != shape[d]) {
                bool turned = in[first]->ndim == 2 && in[i]->ndim == 2 &&
                    in[first]->shape[0] == in[i]->shape[1] && in[first]->shape[1] == in[i]->shape[0];
                return tg__fail(tg, TG__E_BROADCAST, in[first], in[i], shape[d], s, d,
                    turned ? "; transpose one?" : "");
            }
            shape[d] = s; first = i;
        }
    }
    return true;
}

/* Which type a formula computes in, and whether the operands' types allow it. `result` is the type before it
   goes into an in-place operand. */
TG__PRIVATE bool tg__formula_types(tg_ctx *tg, const tg__formula *f, tg_tensor *const *in, const double *p,
    tg_dtype *compute, tg_dtype *result) {
    tg_dtype d = f->types == TG__CHOOSE ? tg__result_type(in + 1, 2) : tg__result_type(in, f->op.n_in);
    if (f->types == TG__CHOOSE && in[0]->dtype != TG_BOOL && in[0]->dtype != TG_U8)
        return tg__fail(tg, TG__E_CONDITION, in[0]);
    if (f->types == TG__NUMERIC && d == TG_BOOL) return tg__fail(tg, TG__E_NOT_FOR, (int)d);
    if (f->types == TG__COUNTING && d == TG_BOOL) d = TG_I64;
    if (f->types == TG__FLOATING && !tg_dtype_is_float(d)) d = TG_F32;
    if (f->types == TG__FLOAT_ONLY && !tg_dtype_is_float(d)) return tg__fail(tg, TG__E_FLOAT_ONLY, in[0]);
    if (!tg_dtype_is_float(d)) {
        if (!f->kernels.whole) return tg__fail(tg, TG__E_NOT_FOR, (int)d);
        if (f->rule == TG__INT_POWER && in[1]->is_number && tg__get_i64(in[1]->data, in[1]->dtype) < 0)
            return tg__fail(tg, TG__E_POWER, tg__get_i64(in[1]->data, in[1]->dtype));
        if (f->rule == TG__INT_WHOLE_P0 && p[0] != (double)tg__int_of(p[0])) return tg__fail(tg, TG__E_ALPHA, p[0]);
    }
    if (f->rule == TG__INT_NO_BOOL && (in[0]->dtype == TG_BOOL || in[1]->dtype == TG_BOOL))
        return tg__fail(tg, TG__E_NOT_FOR, (int)TG_BOOL);
    *compute = tg__compute_type(d);
    *result = f->types == TG__PREDICATE ? TG_BOOL : d;
    return true;
}

TG__PRIVATE bool tg__formula_check(tg_ctx *tg, tg__node *n) {
    const tg__formula *f = (const tg__formula *)(const void *)n->op;
    tg_dtype compute, result;
    int64_t shape[TG_MAX_DIMS];
    int ndim, i, first = -1;
    if (!tg__formula_types(tg, f, n->in, tg__numbers_of(n), &compute, &result)) return false;
    n->plan = (int)compute;
    if (n->n_in == 1 || (n->n_in == 2 && tg__same_shape(n->in[0], n->in[1])))
        return tg__out_ordered(tg, n, 0, result, n->in[0]);
    if (!tg__broadcast(tg, n->in, n->n_in, &ndim, shape)) return false;
    for (i = 0; i < n->n_in && first < 0; i++)
        if (n->in[i]->ndim == ndim && memcmp(n->in[i]->shape, shape, (size_t)ndim * sizeof shape[0]) == 0)
            first = i;
    return first >= 0 ? tg__out_ordered(tg, n, 0, result, n->in[first])
        : tg__out_make(tg, n, 0, result, ndim, shape);
}
TG__PRIVATE bool tg__formula_check_(tg_ctx *tg, tg__node *n) {
    const tg__formula *f = (const tg__formula *)(const void *)n->op;
    tg_dtype compute, result;
    int64_t shape[TG_MAX_DIMS];
    int ndim;
    if (!tg__formula_types(tg, f, n->in, tg__numbers_of(n), &compute, &result) ||
        !tg__broadcast(tg, n->in, n->n_in, &ndim, shape)) return false;
    if (ndim != n->in[0]->ndim || memcmp(shape, n->in[0]->shape, (size_t)ndim * sizeof shape[0]) != 0)
        return tg__fail(tg, TG__E_INPLACE_SHAPE, ndim, shape, n->in[0]);
    if (tg__category(result) > tg__category(n->in[0]->dtype))
        return tg__fail(tg, TG__E_INPLACE_DTYPE, (int)result, n->in[0]);
    n->plan = (int)compute;
    return tg__out_same(n);
}

TG__PRIVATE bool tg__formula_forward(tg_ctx *tg, tg__node *n) {
    const tg__formula *f = (const tg__formula *)(const void *)n->op;
    const tg_dtype compute = (tg_dtype)n->plan;
    tg_tensor *in[3];
    tg_dtype common;                       /* the type that numbers and a comparison's operands take first */
    bool ok;
    int i;
    common = f->types == TG__PREDICATE && n->n_in == 2 ? tg__result_type(n->in, 2)
        : compute == TG_I64 ? n->out[0]->dtype : TG_F64;
    for (i = 0; i < n->n_in; i++) {
        tg_tensor *x = n->in[i];
        const bool narrower = x->dtype != common && (x->is_number || f->types == TG__PREDICATE) &&
            (compute == TG_I64 ? common != TG_I64 : common == TG_F16 || common == TG_BF16);
        in[i] = x;
        if (narrower) {                    /* a copy of that type first */
            in[i] = tg__tensor_make(tg, n->device, common, x->ndim, x->shape, NULL);
            ok = in[i] && tg__copy_to(tg, in[i], x);
            if (!ok) {
                for (; i >= 0; i--) if (in[i] != n->in[i]) tg__tensor_drop(in[i]);
                return false;
            }
        }
    }
    ok = tg__map(tg, &f->kernels, n->op->kind, 0, compute, n->out[0], in, n->n_in, tg__numbers_of(n));
    for (i = 0; i < n->n_in; i++) if (in[i] != n->in[i]) tg__tensor_drop(in[i]);
    return ok;
}

/* Dimensions are matched from the last one on: a mapped operand with fewer of them gets ones behind the leading one. */
TG__PRIVATE bool tg__formula_vmap(tg_ctx *tg, const tg_op *op, const void *attr, tg_tensor *const *in, int n_in, unsigned mapped, tg_tensor **out) {
    tg_tensor *x[3];
    int i, d, most = 0;
    for (i = 0; i < n_in; i++) { d = in[i]->ndim - (int)(mapped >> i & 1u); if (d > most) most = d; }
    for (i = 0; i < n_in; i++) {
        int64_t shape[TG_MAX_DIMS];
        x[i] = in[i];
        d = in[i]->ndim - 1;
        if (!(mapped >> i & 1u) || d == most) continue;
        shape[0] = in[i]->shape[0];
        memcpy(shape + 1 + most - d, in[i]->shape + 1, (size_t)d * sizeof shape[0]);
        while (d < most) shape[most - d++] = 1;
        x[i] = tg_reshape(in[i], most + 1, shape);
        if (!x[i]) return false;
    }
    (void)tg;
    out[0] = tg__call(op, attr, x, n_in, NULL, 1);
    return out[0] != NULL;
}

TG__PRIVATE tg_tensor *tg__full_beside(tg_ctx *tg, const tg_tensor *like, tg_dtype dtype,
    int ndim, const int64_t *shape, double value);
/* x in the type that a derivative is computed in; a number becomes a tensor of that type, which promotes no further. */
TG__PRIVATE tg_tensor *tg__composed_operand(tg_ctx *tg, tg_tensor *x, tg_dtype compute) {
    if (x->is_number && !x->requires_grad)
        return tg__full_beside(tg, x, compute, 0, NULL, tg__get_f64(x->data, x->dtype));
    return tg_to(x, compute);
}
/* First order: the fused kernel. Where the derivative must be differentiable: the same row in tg calls. */
TG__PRIVATE bool tg__formula_backward(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    const tg__formula *f = (const tg__formula *)(const void *)n->op;
    const double *p = tg__numbers_of(n);
    int i, k;
    for (i = 0; i < n->n_in; i++) {
        unsigned reads = n->op->saves[i];
        tg_tensor *x[5];
        int tied = 0;
        if (!n->wants[i]) continue;
        if (tg->grad_mode) {
            const tg_dtype compute = tg__compute_type(g[0]->dtype);
            /* computed where the kernel computes: no logarithm of an f32 that is read as f64, no 1 - a bool */
            for (k = 0; k < n->n_in; k++) {
                x[k] = n->in[k];
                if ((reads & TG_SAVE_IN(k)) && (x[k]->is_number || (x[k]->dtype != g[0]->dtype && x[k]->dtype != compute)) &&
                    !(x[k] = tg__composed_operand(tg, x[k], compute))) return false;
            }
            dx[i] = f->composed[i](tg, p, g[0], x, n->out[0]);
            /* a constant has g's type, dimensions and device */
            if (dx[i] && dx[i]->is_number)
                dx[i] = tg__full_beside(tg, g[0], g[0]->dtype, g[0]->ndim, g[0]->shape, tg__get_f64(dx[i]->data, dx[i]->dtype));
            if (!dx[i]) return false;
            for (x[0] = dx[i], k = 0; k <= n->n_in; k++) {             /* k == n_in: the result */
                tg_tensor *t = k < n->n_in ? n->in[k] : n->out[0];
                if (t && (reads & (k < n->n_in ? TG_SAVE_IN(k) : TG_SAVE_OUT(0))) && t->requires_grad)
                    x[++tied] = t;
            }
            if (tied) dx[i] = tg__call(&tg__tie_op, NULL, x, tied + 1, NULL, 1);
            if (!dx[i]) return false;
            continue;
        }
        x[0] = g[0];
        for (k = 0; k < n->n_in; k++) x[1 + k] = (reads & TG_SAVE_IN(k)) ? n->in[k] : NULL;
        x[1 + n->n_in] = (reads & TG_SAVE_OUT(0)) ? n->out[0] : NULL;
        {
            tg_dtype compute = tg__compute_type(g[0]->dtype);
            tg_tensor *d = tg__hold(tg, tg__tensor_make_like(tg, g[0]->device, g[0]->dtype, g[0]));
            if (!d || !tg__map(tg, &f->kernels, n->op->kind, 1 + i, compute, d, x, n->n_in + 2, p)) return false;
            dx[i] = d;
        }
    }
    return true;
}

/* The composed derivatives: the words as tg calls. */
#define NEG(v) tg_neg(v)
#define SIGN(v) tg_sign(v)
#define SQRT(v) tg_sqrt(v)
#define RSQRT(v) tg_rsqrt(v)
#define EXP(v) tg_exp(v)
#define EXPM1(v) tg_expm1(v)
#define LOG(v) tg_log(v)
#define SIN(v) tg_sin(v)
#define COS(v) tg_cos(v)
#define SINH(v) tg_sinh(v)
#define COSH(v) tg_cosh(v)
#define TANH(v) tg_tanh(v)
#define NDTR(v) tg_ndtr(v)
#define SIGMOID(v) tg_sigmoid(v)
#define SOFTPLUS(v) tg_softplus(v, 1, tg__inf())
#define FLOOR(v) tg_floor(v)
#define TRUNC(v) tg_trunc(v)
#define POW(v, w) tg_pow(v, w)
#define ADD(v, w) tg_add(v, w)
#define SUB(v, w) tg_sub(v, w)
#define MUL(v, w) tg_mul(v, w)
#define DIV(v, w) tg_div(v, w)
#define SELECT(m, v, w) tg_where(m, v, w)
#define EQ(v, w) tg_eq(v, w)
#define NE(v, w) tg_ne(v, w)
#define LT(v, w) tg_lt(v, w)
#define LE(v, w) tg_le(v, w)
#define GT(v, w) tg_gt(v, w)
#define GE(v, w) tg_ge(v, w)
#define AND(v, w) tg_logical_and(v, w)
#define OR(v, w) tg_logical_or(v, w)
#define ISINF(v) tg_isinf(v)
#define K(v) tg_number(tg, v)
#define ZERO K(0)
#define ONE K(1)
#define HALF K(0.5)
#define P0 K(p[0])
#define P1 K(p[1])
#define GELU_U(v) tg_mul(v, tg_add(K(1.5957691216057308), tg_mul(K(0.07135481627159955), tg_mul(v, v))))
#define GELU_DU(v) tg_add(K(1.5957691216057308), tg_mul(K(0.21406444881479865), tg_mul(v, v)))
#define TG__COMPOSED(name, operands, value) \
    TG__PRIVATE tg_tensor *name(tg_ctx *tg, const double *p, tg_tensor *g, tg_tensor *const *in, tg_tensor *y) { operands (void)tg; (void)p; (void)g; (void)y; return value; }
#define TG__C1 tg_tensor *x = in[0]; (void)x;
#define TG__C2 tg_tensor *a = in[0], *b = in[1]; (void)a; (void)b;
#define TG__C3 tg_tensor *a = in[0], *b = in[1], *c = in[2]; (void)a; (void)b; (void)c;
#define F1(name, types, saves, value, dx, domain, doc) TG__COMPOSED(name##_c0, TG__C1, dx)
#define F1P(name, numbers, types, saves, value, dx, domain, doc) F1(name, types, saves, value, dx, domain, doc)
#define F2(name, types, saves, value, da, db, domain, doc) TG__COMPOSED(name##_c0, TG__C2, da) TG__COMPOSED(name##_c1, TG__C2, db)
#define F2P(name, numbers, types, saves, value, da, db, domain, doc) F2(name, types, saves, value, da, db, domain, doc)
#define F3(name, types, saves, value, da, db, dc, domain, doc) TG__COMPOSED(name##_c0, TG__C3, da) TG__COMPOSED(name##_c1, TG__C3, db) TG__COMPOSED(name##_c2, TG__C3, dc)
#define F3P(name, numbers, types, saves, value, da, db, dc, domain, doc) F3(name, types, saves, value, da, db, dc, domain, doc)
TG_FORMULAS(F1, F1P, F2, F2P, F3, F3P)
#undef NEG
#undef SIGN
#undef SQRT
#undef RSQRT
#undef EXP
#undef EXPM1
#undef LOG
#undef SIN
#undef COS
#undef SINH
#undef COSH
#undef TANH
#undef NDTR
#undef SIGMOID
#undef SOFTPLUS
#undef FLOOR
#undef TRUNC
#undef POW
#undef ADD
#undef SUB
#undef MUL
#undef DIV
#undef SELECT
#undef EQ
#undef NE
#undef LT
#undef LE
#undef GT
#undef GE
#undef AND
#undef OR
#undef ISINF
#undef K
#undef ZERO
#undef ONE
#undef HALF
#undef P0
#undef P1
#undef GELU_U
#undef GELU_DU
#undef TG__COMPOSED
#undef TG__C1
#undef TG__C2
#undef TG__C3
#undef F1
#undef F1P
#undef F2
#undef F2P
#undef F3
#undef F3P

/* The number of tg_name_scalar, as torch takes the one that a program writes: 1 is an integer and 0.5 is a float.
   C has only a double to tell by; past 2^53 whole numbers are no longer exact and stay floats. */
TG__PRIVATE tg_tensor *tg__scalar(const tg_tensor *a, double b) {
    const double exact = 9007199254740992.0;
    return !tg_dtype_is_float(a->dtype) && b >= -exact && b <= exact && b == (double)(int64_t)b
        ? tg_integer(a->tg, (int64_t)b) : tg_number(a->tg, b);
}

/* The rows' kernel tables, records and public functions. */
#define TG__SAVE_NONE 0u
#define TG__SAVE_X TG_SAVE_IN(0)
#define TG__SAVE_A TG_SAVE_IN(0)
#define TG__SAVE_B TG_SAVE_IN(1)
#define TG__SAVE_C TG_SAVE_IN(2)
#define TG__SAVE_Y TG_SAVE_OUT(0)
#define TG__SAVE_AB (TG_SAVE_IN(0) | TG_SAVE_IN(1))
#define TG__SAVE_BC (TG_SAVE_IN(1) | TG_SAVE_IN(2))
#define TG__SAVE_BY (TG_SAVE_IN(1) | TG_SAVE_OUT(0))
#define TG__SAVE_ABY (TG_SAVE_IN(0) | TG_SAVE_IN(1) | TG_SAVE_OUT(0))
#define NEED(p, q) TG__SAVE_##p, TG__SAVE_##q, 0, 0
#define NEED3(p, q, r) TG__SAVE_##p, TG__SAVE_##q, TG__SAVE_##r, 0
#define TG__GIVE_N1(n) tg__numbers at; at.p[0] = n; at.p[1] = 0;
#define TG__GIVE_N2(n, m) tg__numbers at; at.p[0] = n; at.p[1] = m;
/* the table of a row's numbers, by their names in the row */
#define TG__NAMES_N1(n) { { #n, TG_ATTR_FLOAT, 0, 1, TG_ATTR_ALL } }
#define TG__NAMES_N2(n, m) { { #n, TG_ATTR_FLOAT, 0, 1, TG_ATTR_ALL }, { #m, TG_ATTR_FLOAT, sizeof(double), 1, TG_ATTR_ALL } }
#define TG__MANY_N1(n) 1
#define TG__MANY_N2(n, m) 2
#define TG__INT_SAME(name) name##_i
#define TG__INT_NUMERIC(name) name##_i
#define TG__INT_COUNTING(name) name##_i
#define TG__INT_PREDICATE(name) name##_i
#define TG__INT_CHOOSE(name) name##_i
#define TG__INT_FLOATING(name) NULL
#define TG__INT_FLOAT_ONLY(name) NULL
#define TG__RULE_SAME(name) name##_rule
#define TG__RULE_NUMERIC(name) name##_rule
#define TG__RULE_COUNTING(name) name##_rule
#define TG__RULE_PREDICATE(name) name##_rule
#define TG__RULE_CHOOSE(name) name##_rule
#define TG__RULE_FLOATING(name) TG__INT_ANY
#define TG__RULE_FLOAT_ONLY(name) TG__INT_ANY
#define TG__FLAGS_SAME TG_OP_MAP
#define TG__FLAGS_NUMERIC TG_OP_MAP
#define TG__FLAGS_COUNTING TG_OP_MAP
#define TG__FLAGS_FLOATING TG_OP_MAP
#define TG__FLAGS_FLOAT_ONLY TG_OP_MAP
#define TG__FLAGS_CHOOSE TG_OP_MAP
#define TG__FLAGS_PREDICATE (TG_OP_MAP | TG_OP_NO_GRAD)

/* name__f is the record of tg_name, name__g that of tg_name_; the ops' names are the functions' without tg_.
   The last arguments are the saves. */
#define TG__FORMULA(rec, text, row, n, types, numbers, attrs, flags, check, integer, rule, v, d0, d1, d2, c0, c1, c2, ...) \
    static const tg__formula rec = { \
        { TG__OP_KIND(text, TG__IN(n), TG__OUT(1), flags, row), { __VA_ARGS__ }, numbers ? attrs : NULL, numbers, numbers ? sizeof(tg__numbers) : 0, \
            check, tg__formula_forward, tg__formula_backward, (flags) & TG_OP_INPLACE ? NULL : tg__formula_vmap }, \
        { { v, d0, d1, d2 }, integer, (types) == TG__PREDICATE, (int)(rule) == (int)TG__INT_NO_ZERO }, types, rule, { c0, c1, c2 } };
#define TG__ROW(name, n, types, numbers, d0, d1, d2, c0, c1, c2, ...) \
    TG__FORMULA(name##__f, &#name[3], TG_ROW_##name, n, TG__##types, numbers, name##__attrs, TG__FLAGS_##types, tg__formula_check, TG__INT_##types(name), TG__RULE_##types(name), \
        &name##_v__t, d0, d1, d2, c0, c1, c2, __VA_ARGS__) \
    TG__FORMULA(name##__g, &#name "_"[3], TG_ROW_##name, n, TG__##types, numbers, name##__attrs, (TG__FLAGS_##types) | TG_OP_INPLACE, tg__formula_check_, TG__INT_##types(name), TG__RULE_##types(name), \
        &name##_v__t, d0, d1, d2, c0, c1, c2, __VA_ARGS__)
#define TG__ROW1(name, types, numbers, ...) TG__MAP_TABLE(name##_v) TG__MAP_TABLE(name##_d0) \
    TG__ROW(name, 1, types, numbers, &name##_d0__t, NULL, NULL, name##_c0, NULL, NULL, __VA_ARGS__)
#define TG__ROW2(name, types, numbers, ...) TG__MAP_TABLE(name##_v) TG__MAP_TABLE(name##_d0) TG__MAP_TABLE(name##_d1) \
    TG__ROW(name, 2, types, numbers, &name##_d0__t, &name##_d1__t, NULL, name##_c0, name##_c1, NULL, __VA_ARGS__)
#define TG__ROW3(name, types, numbers, ...) TG__MAP_TABLE(name##_v) TG__MAP_TABLE(name##_d0) TG__MAP_TABLE(name##_d1) TG__MAP_TABLE(name##_d2) \
    TG__ROW(name, 3, types, numbers, &name##_d0__t, &name##_d1__t, &name##_d2__t, name##_c0, name##_c1, name##_c2, __VA_ARGS__)
#define TG__IN1 tg_tensor *in[1]; in[0] = x;
#define TG__IN2 tg_tensor *in[2]; in[0] = a; in[1] = b;
#define TG__IN3 tg_tensor *in[3]; in[0] = a; in[1] = b; in[2] = c;
#define F1(name, types, saves, value, dx, domain, doc) enum { name##__attrs }; TG__ROW1(name, types, 0, TG__SAVE_##saves, 0, 0, 0) \
    TG_API tg_tensor *(name)(tg_tensor *x)    { TG__IN1 return tg__call(&name##__f.op, NULL, in, 1, NULL, 1); } \
    TG_API tg_tensor *(name##_)(tg_tensor *x) { TG__IN1 return tg__call(&name##__g.op, NULL, in, 1, NULL, 1); }
#define F1P(name, numbers, types, saves, value, dx, domain, doc) static const tg_attr name##__attrs[] = TG__NAMES_##numbers; TG__ROW1(name, types, TG__MANY_##numbers, TG__SAVE_##saves, 0, 0, 0) \
    TG_API tg_tensor *(name)(tg_tensor *x TG__PARAMS_##numbers)    { TG__IN1 TG__GIVE_##numbers return tg__call(&name##__f.op, &at, in, 1, NULL, 1); } \
    TG_API tg_tensor *(name##_)(tg_tensor *x TG__PARAMS_##numbers) { TG__IN1 TG__GIVE_##numbers return tg__call(&name##__g.op, &at, in, 1, NULL, 1); }
#define F2(name, types, saves, value, da, db, domain, doc) enum { name##__attrs }; TG__ROW2(name, types, 0, saves) \
    TG_API tg_tensor *(name)(tg_tensor *a, tg_tensor *b)     { TG__IN2 return tg__call(&name##__f.op, NULL, in, 2, NULL, 1); } \
    TG_API tg_tensor *(name##_)(tg_tensor *a, tg_tensor *b)  { TG__IN2 return tg__call(&name##__g.op, NULL, in, 2, NULL, 1); } \
    TG_API tg_tensor *(name##_scalar)(tg_tensor *a, double number)  { return a ? name(a, tg__scalar(a, number)) : NULL; } \
    TG_API tg_tensor *(name##_scalar_)(tg_tensor *a, double number) { return a ? name##_(a, tg__scalar(a, number)) : NULL; }
#define F2P(name, numbers, types, saves, value, da, db, domain, doc) static const tg_attr name##__attrs[] = TG__NAMES_##numbers; TG__ROW2(name, types, TG__MANY_##numbers, saves) \
    TG_API tg_tensor *(name)(tg_tensor *a, tg_tensor *b TG__PARAMS_##numbers)    { TG__IN2 TG__GIVE_##numbers return tg__call(&name##__f.op, &at, in, 2, NULL, 1); } \
    TG_API tg_tensor *(name##_)(tg_tensor *a, tg_tensor *b TG__PARAMS_##numbers) { TG__IN2 TG__GIVE_##numbers return tg__call(&name##__g.op, &at, in, 2, NULL, 1); }
#define F3(name, types, saves, value, da, db, dc, domain, doc) enum { name##__attrs }; TG__ROW3(name, types, 0, saves) \
    TG_API tg_tensor *(name)(tg_tensor *a, tg_tensor *b, tg_tensor *c)    { TG__IN3 return tg__call(&name##__f.op, NULL, in, 3, NULL, 1); } \
    TG_API tg_tensor *(name##_)(tg_tensor *a, tg_tensor *b, tg_tensor *c) { TG__IN3 return tg__call(&name##__g.op, NULL, in, 3, NULL, 1); }
#define F3P(name, numbers, types, saves, value, da, db, dc, domain, doc) static const tg_attr name##__attrs[] = TG__NAMES_##numbers; TG__ROW3(name, types, TG__MANY_##numbers, saves) \
    TG_API tg_tensor *(name)(tg_tensor *a, tg_tensor *b, tg_tensor *c TG__PARAMS_##numbers)    { TG__IN3 TG__GIVE_##numbers return tg__call(&name##__f.op, &at, in, 3, NULL, 1); } \
    TG_API tg_tensor *(name##_)(tg_tensor *a, tg_tensor *b, tg_tensor *c TG__PARAMS_##numbers) { TG__IN3 TG__GIVE_##numbers return tg__call(&name##__g.op, &at, in, 3, NULL, 1); }
TG_FORMULAS(F1, F1P, F2, F2P, F3, F3P)
#undef TG__SAVE_NONE
#undef TG__SAVE_X
#undef TG__SAVE_A
#undef TG__SAVE_B
#undef TG__SAVE_C
#undef TG__SAVE_Y
#undef TG__SAVE_AB
#undef TG__SAVE_BC
#undef TG__SAVE_BY
#undef TG__SAVE_ABY
#undef NEED
#undef NEED3
#undef TG__GIVE_N1
#undef TG__GIVE_N2
#undef TG__NAMES_N1
#undef TG__NAMES_N2
#undef TG__MANY_N1
#undef TG__MANY_N2
#undef TG__PARAMS_N1
#undef TG__PARAMS_N2
#undef TG__RULE_SAME
#undef TG__RULE_NUMERIC
#undef TG__RULE_COUNTING
#undef TG__RULE_PREDICATE
#undef TG__RULE_CHOOSE
#undef TG__RULE_FLOATING
#undef TG__RULE_FLOAT_ONLY
#undef TG__INT_SAME
#undef TG__INT_NUMERIC
#undef TG__INT_COUNTING
#undef TG__INT_PREDICATE
#undef TG__INT_CHOOSE
#undef TG__INT_FLOATING
#undef TG__INT_FLOAT_ONLY
#undef TG__FLAGS_SAME
#undef TG__FLAGS_NUMERIC
#undef TG__FLAGS_COUNTING
#undef TG__FLAGS_FLOATING
#undef TG__FLAGS_FLOAT_ONLY
#undef TG__FLAGS_CHOOSE
#undef TG__FLAGS_PREDICATE
#undef TG__FORMULA
#undef TG__ROW
#undef TG__ROW1
#undef TG__ROW2
#undef TG__ROW3
#undef TG__IN1
#undef TG__IN2
#undef TG__IN3
#undef F1
#undef F1P
#undef F2
#undef F2P
#undef F3
#undef F3P

/* ======================================================================================
   >>impl-create    making tensors, random numbers, reading and writing values
   ====================================================================================== */

TG__PRIVATE tg_tensor *tg__create(tg_ctx *tg, const char *name, int ndim, const int64_t *shape, tg_dtype dtype) {
    tg_tensor *t;
    if (!tg__gate(tg)) return NULL;
    tg__name(tg, name);
    t = tg__hold(tg, tg__tensor_make(tg, TG_CPU, dtype, ndim, shape, NULL));
    if (t) t->made_by = name;
    return t;
}
TG__PRIVATE tg_tensor *tg__filled(tg_ctx *tg, tg_tensor *t, double f, int64_t i, bool is_int) {
    if (t && t->opaque) { (void)tg__fail(tg, TG__E_NOT_FOR, (int)t->dtype); return NULL; }
    return t && tg__fill(tg, t, f, i, is_int) ? t : NULL;
}

TG_API tg_tensor *(tg_empty)(tg_ctx *tg, int ndim, const int64_t *shape, tg_dtype dtype) {
    return tg__create(tg, "empty", ndim, shape, dtype);
}
TG_API tg_tensor *(tg_zeros)(tg_ctx *tg, int ndim, const int64_t *shape) {
    return tg__filled(tg, tg__create(tg, "zeros", ndim, shape, TG_F32), 0, 0, true);
}
TG_API tg_tensor *(tg_ones)(tg_ctx *tg, int ndim, const int64_t *shape) {
    return tg__filled(tg, tg__create(tg, "ones", ndim, shape, TG_F32), 0, 1, true);
}
/* As torch: a number that an integer type cannot hold is refused; unsigned types take negative ones modulo
   their size. */
TG__PRIVATE bool tg__fits(tg_ctx *tg, double v, tg_dtype d) {
    double most = d == TG_U8 ? 255 : d == TG_I8 ? 127 : d == TG_I16 ? 32767
        : d == TG_I32 ? 2147483647 : 9223372036854775807.0;
    if (tg_dtype_is_float(d) || d == TG_BOOL) return true;
    if (v > -(most + (d == TG_U8 ? 1 : 2)) && v < (d == TG_I64 ? most : most + 1)) return true;
    return (d == TG_I64 && v == -9223372036854775808.0) || tg__fail(tg, TG__E_NO_FIT, v, (int)d);
}
TG_API tg_tensor *(tg_full)(tg_ctx *tg, int ndim, const int64_t *shape, double value, tg_dtype dtype) {
    if (!tg__gate(tg)) return NULL;
    tg__name(tg, "full");
    if ((unsigned)dtype < TG_DTYPES && !tg__fits(tg, value, dtype)) return NULL;
    return tg__filled(tg, tg__create(tg, "full", ndim, shape, dtype), value, 0, false);
}
TG_API tg_tensor *(tg_number)(tg_ctx *tg, double value) {
    tg_tensor *t = tg__create(tg, "number", 0, NULL, TG_F64);
    if (t) { memcpy(t->data, &value, 8); t->is_number = true; }
    return t;
}
TG_API tg_tensor *(tg_integer)(tg_ctx *tg, int64_t value) {
    tg_tensor *t = tg__create(tg, "integer", 0, NULL, TG_I64);
    if (t) { memcpy(t->data, &value, 8); t->is_number = true; }
    return t;
}
TG_API tg_tensor *(tg_arange)(tg_ctx *tg, double start, double end, double step, tg_dtype dtype) {
    double count = step != 0 ? (end - start) / step : 0;
    int64_t n;
    tg_tensor *t;
    if (!tg__gate(tg)) return NULL;
    tg__name(tg, "arange");
    if (!tg__is_finite(start) || !tg__is_finite(end) || !tg__is_finite(step)) {
        tg__fail(tg, TG__E_ARGUMENT, "start, end and step must be finite");
        return NULL;
    }
    if (step == 0) { tg__fail(tg, TG__E_STEP); return NULL; }
    if (count < 0) { tg__fail(tg, TG__E_ARGUMENT, "the step leads away from the end"); return NULL; }
    if (count > 9e18) { tg__fail(tg, TG__E_ARGUMENT, "too many elements"); return NULL; }
    n = (int64_t)count;
    if ((double)n < count) n++;
    if ((unsigned)dtype < TG_DTYPES && !tg_dtype_is_float(dtype) && (!tg__fits(tg, start, TG_I64) ||
        !tg__fits(tg, step, TG_I64) || (n && !tg__fits(tg, start + (double)(n - 1) * step, TG_I64)))) return NULL;
    t = tg__create(tg, "arange", 1, &n, dtype);
    return t && tg__ramp(tg, t, start, step, tg__int_of(start), tg__int_of(step)) ? t : NULL;
}
/* 0, 1, ... n - 1 and a tensor of one value, on like's device, for backwards. */
TG__PRIVATE tg_tensor *tg__count_beside(tg_ctx *tg, const tg_tensor *like, int64_t n) {
    tg_tensor *t = tg__hold(tg, tg__tensor_make(tg, like->device, TG_I64, 1, &n, NULL));
    return t && tg__ramp(tg, t, 0, 1, 0, 1) ? t : NULL;
}
TG__PRIVATE tg_tensor *tg__full_beside(tg_ctx *tg, const tg_tensor *like, tg_dtype dtype,
    int ndim, const int64_t *shape, double value) {
    return tg__filled(tg, tg__hold(tg, tg__tensor_make(tg, like->device, dtype, ndim, shape, NULL)), value, 0, false);
}
TG_API tg_tensor *(tg_eye)(tg_ctx *tg, int64_t n) {
    int64_t shape[2], one;
    tg_tensor *t, d;
    shape[0] = shape[1] = n;
    t = tg__filled(tg, tg__create(tg, "eye", 2, shape, TG_F32), 0, 0, true);
    if (!t) return NULL;
    one = n + 1;
    d = *t;
    d.ndim = 1; d.shape[0] = n; d.stride[0] = one; d.numel = n;         /* the diagonal */
    return tg__fill(tg, &d, 1, 1, true) ? t : NULL;
}
TG__PRIVATE tg_tensor *tg__from(tg_ctx *tg, const char *name, int ndim, const int64_t *shape,
    tg_dtype dtype, const void *data) {
    tg_tensor *t = tg__create(tg, name, ndim, shape, dtype);
    if (!t) return NULL;
    if (!data && t->numel) { tg__fail(tg, TG__E_NO_DATA, "data"); return NULL; }
    if (t->numel) memcpy(t->data, data, tg_dtype_bytes(dtype, t->numel));
    return t;
}
TG_API tg_tensor *(tg_from)(tg_ctx *tg, int ndim, const int64_t *shape, tg_dtype dtype, const void *data) {
    return tg__from(tg, "from", ndim, shape, dtype, data);
}
TG_API tg_tensor *(tg_from_f32)(tg_ctx *tg, int ndim, const int64_t *shape, const float *data) {
    return tg__from(tg, "from_f32", ndim, shape, TG_F32, data);
}
/* kernels read elements by their own type, for which an address must fit */
TG__PRIVATE bool tg__aligned(const void *p, tg_dtype dtype) { return tg__is_block(dtype) || (uintptr_t)p % tg_dtype_size(dtype) == 0; }
TG_API tg_tensor *(tg_wrap)(tg_ctx *tg, int ndim, const int64_t *shape, tg_dtype dtype, void *data) {
    int64_t numel, none = 0;
    tg_tensor *t;
    if (!tg__gate(tg)) return NULL;
    tg__name(tg, "wrap");
    if (!tg__check_shape(tg, dtype, ndim, shape, &numel)) return NULL;
    if (!data && numel) { tg__fail(tg, TG__E_NO_DATA, "data"); return NULL; }
    if (numel && !tg__aligned(data, dtype)) { tg__fail(tg, TG__E_ALIGNMENT, (int)dtype, (int64_t)tg_dtype_size(dtype)); return NULL; }
    t = tg__hold(tg, tg__tensor_make(tg, TG_CPU, dtype, 1, &none, NULL));
    if (!t) return NULL;
    t->storage->borrowed = true; t->storage->data = data; t->storage->bytes = tg_dtype_bytes(dtype, numel);
    t->opaque = tg__is_block(dtype) ? TG__BLOCKS : 0;
    t->data = t->place = data; t->numel = numel; t->ndim = ndim;
    if (ndim) memcpy(t->shape, shape, (size_t)ndim * sizeof shape[0]);
    tg__dense_strides(ndim, shape, t->stride);
    return t;
}
TG__PRIVATE tg_tensor *tg__like(tg_tensor *t, const char *name) {
    tg_ctx *tg = tg__start(t, name);
    if (!tg) return NULL;
    t = tg__hold(tg, tg__tensor_make_like(tg, t->device, t->dtype, t));
    if (t) t->made_by = name;
    return t;
}
TG_API tg_tensor *(tg_empty_like)(tg_tensor *t) { return tg__like(t, "empty_like"); }
TG_API tg_tensor *(tg_zeros_like)(tg_tensor *t) {
    tg_tensor *y = tg__like(t, "zeros_like");
    return y ? tg__filled(y->tg, y, 0, 0, true) : NULL;
}
TG_API tg_tensor *(tg_ones_like)(tg_tensor *t) {
    tg_tensor *y = tg__like(t, "ones_like");
    return y ? tg__filled(y->tg, y, 0, 1, true) : NULL;
}
TG_API tg_tensor *(tg_full_like)(tg_tensor *t, double value) {
    tg_tensor *y = tg__like(t, "full_like");
    return y ? tg__filled(y->tg, y, value, 0, false) : NULL;
}

/* ---- random numbers ----
   Philox4x32-10 (Salmon, Moraes, Dror and Shaw 2011), key = seed and stream, counter = (block, call). Block b
   gives words 4b .. 4b + 3. f32, f16 and bf16 elements take one word each, f64 and integers two; normals are
   made from pairs of elements by Box and Muller. No rejection, so element i depends on (seed, stream, call,
   i) alone. */
typedef struct tg__random_plan {
    tg__job  job;
    tg_dtype compute;
    tg__look look;                                    /* at probabilities; value: the bits of a double */
    tg__loop loop;                                    /* in row-major order, whatever the strides: y, p */
} tg__random_plan;

TG__KERNEL(void, tg__philox, (int64_t blocks, uint64_t first, uint64_t key, uint64_t call, uint32_t *words));
TG__KERNEL(void, tg__uniform_f32, (int64_t n, float *y, const uint32_t *w, float a, float b));
TG__KERNEL(void, tg__normal_f32, (int64_t n, float *y, const uint32_t *w, float mean, float std));
TG__KERNEL(void, tg__keep_f32, (int64_t n, float *y, const uint32_t *w, float p, float b));
TG__KERNEL(void, tg__uniform_f64, (int64_t n, double *y, const uint32_t *w, double a, double b));
TG__KERNEL(void, tg__normal_f64, (int64_t n, double *y, const uint32_t *w, double mean, double std));
TG__KERNEL(void, tg__keep_f64, (int64_t n, double *y, const uint32_t *w, double p, double b));

TG__PRIVATE uint64_t tg__mul_high(uint64_t a, uint64_t b) {
    uint64_t al = a & 0xffffffffu, ah = a >> 32, bl = b & 0xffffffffu, bh = b >> 32,
             m = ah * bl + (al * bl >> 32), l = al * bh + (m & 0xffffffffu);
    return ah * bh + (m >> 32) + (l >> 32);
}
#define TG__RANDOM_CHUNK 8192
TG__PRIVATE void tg__random_chunk(void *plan, int64_t index) {
    tg__random_plan *j = (tg__random_plan *)plan;
    const tg_request *r = j->job.r;
    if (j->look.state == TG__EXPLAINS) index = (int64_t)j->look.bad - 1;
    const uint64_t key = (uint64_t)r->whole[0], call = (uint64_t)r->whole[1];
    int64_t at = index * TG__RANDOM_CHUNK, end = tg__imin(at + TG__RANDOM_CHUNK, j->loop.numel), i;
    int slot, isa = j->job.tg->isa;
    char *s = (char *)tg__scratch_take(j->job.tg, &slot);
    uint32_t *w = (uint32_t *)(void *)s;
    void *v = s + TG__TILE * 8;
    double *p = (double *)(void *)(s + TG__TILE * 16);
    /* at is a multiple of a tile: words begin with a block */
    for (; at < end; at += TG__TILE) {
        int64_t n = tg__imin(TG__TILE, end - at), full = (n + 3) / 4 * 4;
        if (r->kind == TG_RANDOM_BERNOULLI)
            tg__loop_tile(&j->loop, 1, isa, at, n, TG_F64, p, j->job.at[1], j->job.o[1].dtype, false);
        if (j->look.state) {
            for (i = 0; i < n && p[i] >= 0 && p[i] <= 1; i++) { }
            if (i == n) continue;
            if (j->look.state == TG__EXPLAINS) memcpy(&j->look.value, &p[i], 8); else tg__look_bad(&j->look, index);
            break;
        }
        if (j->compute == TG_F32) {
            float *y = (float *)v;
            tg__philox__k[isa](full / 4, (uint64_t)at / 4, key, call, w);
            (r->kind == TG_RANDOM_NORMAL ? tg__normal_f32__k
             : r->kind == TG_RANDOM_KEEP ? tg__keep_f32__k
             : tg__uniform_f32__k)[isa](full, y, w, (float)r->number[0], (float)r->number[1]);
            if (r->kind == TG_RANDOM_BERNOULLI) for (i = 0; i < n; i++) y[i] = (double)y[i] < p[i] ? 1.0f : 0.0f;
        } else {
            tg__philox__k[isa](full / 2, (uint64_t)at / 2, key, call, w);
            if (r->kind == TG_RANDOM_INTEGER) {
                int64_t *y = (int64_t *)v;
                for (i = 0; i < n; i++) y[i] = (int64_t)((uint64_t)r->whole[2]
                    + tg__mul_high((uint64_t)w[2 * i + 1] << 32 | w[2 * i], (uint64_t)r->whole[3]));
            } else {
                double *y = (double *)v;
                (r->kind == TG_RANDOM_NORMAL ? tg__normal_f64__k
                 : r->kind == TG_RANDOM_KEEP ? tg__keep_f64__k
                 : tg__uniform_f64__k)[isa](full, y, w, r->number[0], r->number[1]);
                if (r->kind == TG_RANDOM_BERNOULLI) for (i = 0; i < n; i++) y[i] = y[i] < p[i] ? 1 : 0;
            }
        }
        tg__loop_tile(&j->loop, 0, isa, at, n, j->compute, v, j->job.at[0], j->job.o[0].dtype, true);
    }
    tg__scratch_give(j->job.tg, slot);
}
TG__PRIVATE int64_t tg__random_start(tg_ctx *tg, int phase, void *plan) {
    tg__random_plan *j = (tg__random_plan *)plan;
    const tg_operand *o = j->job.o;
    tg__loop *l = &j->loop;
    int d, k;
    if (phase == 0) {
        j->compute = j->job.r->compute; j->look.bad = 0;
        j->look.state = j->job.r->kind == TG_RANDOM_BERNOULLI ? TG__LOOKS : TG__LOOKED;
        l->numel = tg__operand_numel(o);
        if (l->numel == 0) return 0;
        l->ndim = o->ndim > 0 ? o->ndim : 1;
        l->shape[0] = 1; l->stride[0][0] = l->stride[1][0] = 1;
        for (d = 0; d < o->ndim; d++) {
            l->shape[d] = o->shape[d];
            for (k = 0; k < j->job.r->n; k++) l->stride[k][d] = o[k].stride[d];
        }
        /* dense: one run */
        for (d = o->ndim - 2; d >= 0 && j->job.r->n == 1; d--) {
            if (l->stride[0][d] != l->stride[0][d + 1] * l->shape[d + 1] || d + 2 != l->ndim) break;
            l->shape[d] *= l->shape[d + 1]; l->stride[0][d] = l->stride[0][d + 1];
            l->ndim--;
        }
        if (!tg__scratch_need(tg, TG__TILE * 24 + 64)) return -1;
    } else if (!j->look.state) return 0;
    else if ((k = tg__look_next(&j->look)) != 0) {
        double v;
        if (k > 0) return k;
        memcpy(&v, &j->look.value, 8);
        (void)tg__fail(tg, TG__E_PROBABILITY, v);
        return -1;
    }
    return tg__ceil_div(l->numel, TG__RANDOM_CHUNK);
}
TG__FAMILY(random, false);

TG__PRIVATE uint64_t tg__random_key(const tg_random_state *r) {
    uint64_t z = r->stream;
    if (!z) return r->seed;
    z *= 0x9e3779b97f4a7c15u; z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u; z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return r->seed ^ z ^ z >> 31;
}
/* Element i is the same whatever the strides: positions count in row-major order. p: NULL, or probabilities. `call`:
   the call number that was taken for it. */
TG__PRIVATE bool tg__random(tg_ctx *tg, uint64_t call, tg_tensor *y, tg_tensor *p, int kind,
    double a, double b, int64_t low, int64_t range) {
    tg__ask q;
    tg__ask_begin(&q, TG_FAMILY_RANDOM, kind, kind == TG_RANDOM_INTEGER ? TG_I64 : tg__compute_type(y->dtype));
    q.r.whole[0] = (int64_t)tg__random_key(&tg->random); q.r.whole[1] = (int64_t)call;
    q.r.whole[2] = low; q.r.whole[3] = range;
    q.r.number[0] = a; q.r.number[1] = b;
    tg__ask_for(&q, y, TG_WRITE);
    if (p) tg__ask_for(&q, p, TG_READ);
    return tg__launch(&q, tg, &tg__family_random, NULL);
}

/* An in-place op without operands of its own: fill_, uniform_, normal_, randint_ (integers from a on, b of them),
   keep_ (dropout's mask: 0 with probability a, else b). The old value gets no gradient. */
typedef struct tg__set_attr { double a, b; int64_t low, range; } tg__set_attr;
static const tg_attr tg__set_attrs[] = { TG__ATTR(tg__set_attr, a, FLOAT), TG__ATTR(tg__set_attr, b, FLOAT) };
static const tg_attr tg__randint_attrs[] = { TG__ATTR(tg__set_attr, low, INT), TG__ATTR(tg__set_attr, range, INT) };
TG__PRIVATE bool tg__set_check(tg_ctx *tg, tg__node *n) {
    const tg__set_attr *at = (const tg__set_attr *)n->attr;
    if (!(n->op->flags & TG_OP_RANDOM)) { if (!tg__fits(tg, at->a, n->in[0]->dtype)) return false; }
    else if (n->op->kind == TG_RANDOM_INTEGER) { if (n->in[0]->dtype != TG_I64) return tg__fail(tg, TG__E_NOT_FOR, (int)n->in[0]->dtype); }
    else if (!tg_dtype_is_float(n->in[0]->dtype)) return tg__fail(tg, TG__E_FLOAT_ONLY, n->in[0]);
    if (n->op->kind == TG_RANDOM_NORMAL && !(at->b >= 0)) return tg__fail(tg, TG__E_RANGE, "std", "at least 0", at->b);
    return tg__out_same(n);
}
TG__PRIVATE bool tg__set_backward(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    (void)tg;
    (void)n;
    dx[0] = tg_zeros_like(g[0]);
    return dx[0] != NULL;
}
TG__PRIVATE bool tg__fill_forward(tg_ctx *tg, tg__node *n) {
    return tg__fill(tg, n->out[0], ((const tg__set_attr *)n->attr)->a, 0, false);
}
TG__PRIVATE bool tg__random_forward(tg_ctx *tg, tg__node *n) {
    const tg__set_attr *at = (const tg__set_attr *)n->attr;
    return tg__random(tg, n->call, n->out[0], NULL, n->op->kind, at->a, at->b, at->low, at->range);
}
static const tg_op tg__fill_op = { TG__OP_KIND("fill_", TG__IN(1), TG__OUT(1), TG_OP_INPLACE, -1), TG__NO_SAVES,
    TG__ATTRS(tg__set), tg__set_check, tg__fill_forward, tg__set_backward, NULL };
static const tg_op tg__uniform_op = { TG__OP_KIND("uniform_", TG__IN(1), TG__OUT(1), TG_OP_INPLACE | TG_OP_RANDOM, TG_RANDOM_UNIFORM), TG__NO_SAVES,
    TG__ATTRS(tg__set), tg__set_check, tg__random_forward, tg__set_backward, NULL };
static const tg_op tg__normal_op = { TG__OP_KIND("normal_", TG__IN(1), TG__OUT(1), TG_OP_INPLACE | TG_OP_RANDOM, TG_RANDOM_NORMAL), TG__NO_SAVES,
    TG__ATTRS(tg__set), tg__set_check, tg__random_forward, tg__set_backward, NULL };
static const tg_op tg__randint_op = { TG__OP_KIND("randint_", TG__IN(1), TG__OUT(1), TG_OP_INPLACE | TG_OP_RANDOM, TG_RANDOM_INTEGER), TG__NO_SAVES,
    TG__ATTRS_OF(tg__randint, tg__set), tg__set_check, tg__random_forward, NULL, NULL };
static const tg_op tg__keep_op = { TG__OP_KIND("keep_", TG__IN(1), TG__OUT(1), TG_OP_INPLACE | TG_OP_RANDOM, TG_RANDOM_KEEP), TG__NO_SAVES,
    TG__ATTRS(tg__set), tg__set_check, tg__random_forward, NULL, NULL };
TG__PRIVATE tg_tensor *tg__set_call(const tg_op *op, tg_tensor *t, double a, double b) {
    tg__set_attr at = TG__ZERO;
    at.a = a;
    at.b = b;
    return tg__call(op, &at, &t, 1, NULL, 1);
}
/* All elements get one value, so dimensions of stride 0 may repeat them: one of each is filled. */
TG_API tg_tensor *(tg_fill_)(tg_tensor *t, double value) {
    tg_tensor *part = t;
    tg_mark m = TG__ZERO;
    int d;
    for (d = 0; t && t->alive && tg__gate(t->tg) && t->numel && part && d < t->ndim; d++) {
        if (t->shape[d] == 1 || t->stride[d] != 0) continue;
        if (!m.depth) m = tg_begin(t->tg);
        part = tg_narrow(part, d, 0, 1);
    }
    if (part == t) return tg__set_call(&tg__fill_op, t, value, 0);
    part = part ? tg__set_call(&tg__fill_op, part, value, 0) : NULL;
    tg_end(t->tg, m);
    return part ? t : NULL;
}
TG_API tg_tensor *(tg_zero_)(tg_tensor *t) { return (tg_fill_)(t, 0); }
TG_API tg_tensor *(tg_uniform_)(tg_tensor *t, double low, double high) {
    return tg__set_call(&tg__uniform_op, t, low, high);
}
TG_API tg_tensor *(tg_normal_)(tg_tensor *t, double mean, double std) {
    return tg__set_call(&tg__normal_op, t, mean, std);
}

/* Random numbers of a fresh tensor, which is remembered under the name of its creation. */
TG__PRIVATE tg_tensor *tg__made(tg_tensor *t, const char *name) {
    if (t) t->made_by = name;
    return t;
}
TG_API tg_tensor *(tg_rand)(tg_ctx *tg, int ndim, const int64_t *shape) {
    tg_tensor *t = tg__create(tg, "rand", ndim, shape, TG_F32);
    return t ? tg__made(tg_uniform_(t, 0, 1), "rand") : NULL;
}
TG_API tg_tensor *(tg_randn)(tg_ctx *tg, int ndim, const int64_t *shape) {
    tg_tensor *t = tg__create(tg, "randn", ndim, shape, TG_F32);
    return t ? tg__made(tg_normal_(t, 0, 1), "randn") : NULL;
}
TG_API tg_tensor *(tg_randint)(tg_ctx *tg, int64_t low, int64_t high, int ndim, const int64_t *shape) {
    tg__set_attr at = TG__ZERO;
    tg_tensor *t;
    if (!tg__gate(tg)) return NULL;
    tg__name(tg, "randint");
    if (high <= low) { tg__fail(tg, TG__E_RANGE, "high", "more than low", (double)high); return NULL; }
    t = tg__create(tg, "randint", ndim, shape, TG_I64);
    at.low = low; at.range = (int64_t)((uint64_t)high - (uint64_t)low);
    return t ? tg__made(tg__call(&tg__randint_op, &at, &t, 1, NULL, 1), "randint") : NULL;
}

/* ------------------------------------------------------------------ bernoulli ----
   y = 1 with the probability that p's element gives, else 0, of p's dtype; p has no gradient. A probability outside
   of 0..1 is an error of the family. */
TG__PRIVATE bool tg__bernoulli_check(tg_ctx *tg, tg__node *n) {
    if (!tg_dtype_is_float(n->in[0]->dtype)) return tg__fail(tg, TG__E_FLOAT_ONLY, n->in[0]);
    return tg__out_ordered(tg, n, 0, n->in[0]->dtype, n->in[0]);
}
TG__PRIVATE bool tg__bernoulli_forward(tg_ctx *tg, tg__node *n) {
    return tg__random(tg, n->call, n->out[0], n->in[0], TG_RANDOM_BERNOULLI, 0, 1, 0, 0);
}
static const tg_op tg__bernoulli_op = { TG__OP("bernoulli", TG__IN(1), TG__OUT(1), TG_OP_RANDOM | TG_OP_NO_GRAD), TG__NO_SAVES,
    TG__NO_ATTRS, tg__bernoulli_check, tg__bernoulli_forward, NULL, NULL };
TG_API tg_tensor *(tg_bernoulli)(tg_tensor *p) { return tg__call(&tg__bernoulli_op, NULL, &p, 1, NULL, 1); }

/* ---- values in and out; all reads of the host go through here ---- */
/* t where the host can read it: t itself, or a copy in row-major order that the innermost scope holds. */
TG__PRIVATE tg_tensor *tg__on_host(tg_ctx *tg, tg_tensor *t) {
    tg_tensor *h;
    if (TG__RARE(t->opaque == TG__LANES)) { tg__fail(tg, TG__E_VMAP, tg->where); return NULL; }
    if (t->device == TG_CPU) return t;
    h = tg__hold(tg, tg__tensor_make(tg, TG_CPU, t->dtype, t->ndim, t->shape, NULL));
    return h && tg__transfer(tg, h, t) ? h : NULL;
}
/* Values between devices and the host: by way of packed copies where they do not lie packed already. */
TG__PRIVATE bool tg__transfer(tg_ctx *tg, tg_tensor *y, tg_tensor *x) {
    tg_tensor *from = x, *to = y;
    bool ok = true, again = false;
    if (x->dtype != y->dtype || !tg__is_dense(x) || !tg__same_shape(x, y)) {
        from = tg__tensor_make(tg, x->device, y->dtype, y->ndim, y->shape, NULL);
        ok = from && tg__copy_to(tg, from, x);
    }
    if (ok && !tg__is_dense(y)) {
        again = true;
        to = tg__tensor_make(tg, y->device, y->dtype, y->ndim, y->shape, NULL);
        ok = to != NULL;
    }
    if (ok && to->numel) {
        const size_t size = tg_dtype_bytes(to->dtype, to->numel);
        void *middle = to->device == TG_CPU ? to->place : from->device == TG_CPU ? from->place : tg__mem_get(tg, size);
        ok = middle != NULL;
        if (from->device != TG_CPU) ok = ok && tg__device_copy(tg, from->device, false, middle, from->place, size);
        if (to->device != TG_CPU) ok = ok && tg__device_copy(tg, to->device, true, to->place, middle, size);
        if (to->device != TG_CPU && from->device != TG_CPU) tg__mem_put(tg, middle, size);
    }
    if (ok && again) ok = tg__copy_to(tg, y, to);
    if (from != x) tg__tensor_drop(from);
    if (to != y) tg__tensor_drop(to);
    return ok;
}

/* ------------------------------------------------------------------ to_device ----
   y = x on another device; dx = g back on x's. */
typedef struct tg__device_attr { int64_t device, from; } tg__device_attr;
static const tg_attr tg__device_attrs[] = { TG__ATTR(tg__device_attr, device, INT), TG__ATTR(tg__device_attr, from, INT) };
TG__PRIVATE bool tg__to_device_check(tg_ctx *tg, tg__node *n) {
    const tg__device_attr *at = (const tg__device_attr *)n->attr;
    n->out[0] = tg__tensor_make(tg, (tg_device)at->device, n->in[0]->dtype, n->in[0]->ndim, n->in[0]->shape, NULL);
    return n->out[0] != NULL;
}
TG__PRIVATE bool tg__to_device_forward(tg_ctx *tg, tg__node *n) { return tg__transfer(tg, n->out[0], n->in[0]); }
TG__PRIVATE bool tg__to_device_backward(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    (void)tg;
    dx[0] = tg_to_device(g[0], (tg_device)((const tg__device_attr *)n->attr)->from);
    return dx[0] != NULL;
}
static const tg_op tg__to_device_op = { TG__OP("to_device", TG__IN(1), TG__OUT(1), TG_OP_OPAQUE), TG__NO_SAVES,
    TG__ATTRS(tg__device), tg__to_device_check, tg__to_device_forward, tg__to_device_backward, NULL };
TG_API tg_tensor *(tg_to_device)(tg_tensor *t, tg_device device) {
    tg_ctx *tg = tg__start_any(t, "to_device");
    tg__device_attr at;
    if (!tg) return NULL;
    if ((unsigned)device >= TG_DEVICES || (device != TG_CPU && !tg->devices[device].open)) { tg__fail(tg, TG__E_DEVICE, (int)device); return NULL; }
    if (device == t->device) return t;
    at.device = (int64_t)device; at.from = (int64_t)t->device;
    return tg__call(&tg__to_device_op, &at, &t, 1, NULL, 1);
}

TG_API double (tg_item)(tg_tensor *t) {
    tg_ctx *tg = tg__start(t, "item");
    if (!tg) return tg__nan();
    if (t->numel != 1) { tg__fail(tg, TG__E_ITEM, t); return tg__nan(); }
    if (!(t = tg__on_host(tg, t))) return tg__nan();
    return tg__get_f64(t->data, t->dtype);
}
TG_API int64_t (tg_item_i64)(tg_tensor *t) {
    tg_ctx *tg = tg__start(t, "item");
    if (!tg) return 0;
    if (t->numel != 1) { tg__fail(tg, TG__E_ITEM, t); return 0; }
    if (!(t = tg__on_host(tg, t))) return 0;
    return tg__get_i64(t->data, t->dtype);
}
TG__PRIVATE char *tg__element(tg_ctx *tg, tg_tensor *t, const int64_t *index) {
    int64_t offset = 0;
    int d;
    if (!index && t->ndim) { tg__fail(tg, TG__E_NO_DATA, "index"); return NULL; }
    for (d = 0; d < t->ndim; d++) {
        int64_t i = index[d] < 0 ? index[d] + t->shape[d] : index[d];
        if (i < 0 || i >= t->shape[d]) { tg__fail(tg, TG__E_INDEX, index[d], d, t); return NULL; }
        offset += i * t->stride[d];
    }
    return (char *)t->data + offset * (int64_t)tg_dtype_size(t->dtype);
}
TG_API double (tg_get)(tg_tensor *t, const int64_t *index) {
    tg_ctx *tg = tg__start(t, "get");
    char *p = tg && (t = tg__on_host(tg, t)) != NULL ? tg__element(tg, t, index) : NULL;
    return p ? tg__get_f64(p, t->dtype) : tg__nan();
}
TG__PRIVATE void tg__touch(tg_ctx *tg, tg_tensor *t, const char *name) {
    t->storage->version++; t->storage->written_by = name;
    t->storage->written_at.file = tg->here.file; t->storage->written_at.line = tg->here.line;
}
TG_API bool (tg_set)(tg_tensor *t, const int64_t *index, double value) {
    tg_ctx *tg = tg__start(t, "set");
    char *p = tg && tg__writable(tg, t) && (t->device == TG_CPU || tg__fail(tg, TG__E_DEVICES, t, (int)t->device, (int)TG_CPU))
        ? tg__element(tg, t, index) : NULL;
    if (!p) return false;
    tg__put_scalar(p, t->dtype, value, 0, false);
    tg__touch(tg, t, "set");
    return true;
}
/* Element number i in row-major order. */
TG__PRIVATE const char *tg__element_at(const tg_tensor *t, int64_t i) {
    int64_t offset = 0;
    int d;
    for (d = t->ndim - 1; d >= 0; d--) { offset += i % t->shape[d] * t->stride[d]; i /= t->shape[d]; }
    return (const char *)t->data + offset * (int64_t)tg_dtype_size(t->dtype);
}

/* A header on the caller's stack over packed memory of t's shape, for copies in and out. */
TG__PRIVATE void tg__packed(tg_tensor *h, const tg_tensor *t, tg_dtype dtype, void *data) {
    memset(h, 0, sizeof *h);
    h->tg = t->tg; h->data = h->place = data; h->numel = t->numel; h->ndim = t->ndim;
    h->dtype = dtype; h->device = TG_CPU; h->alive = true; h->opaque = tg__is_block(dtype) ? TG__BLOCKS : 0;
    if (t->ndim) memcpy(h->shape, t->shape, (size_t)t->ndim * sizeof t->shape[0]);
    tg__dense_strides(t->ndim, t->shape, h->stride);
}
TG_API bool (tg_read)(tg_tensor *t, void *out, size_t size) {
    tg_ctx *tg = tg__start_any(t, "read");
    tg_tensor h;
    if (!tg) return false;
    if (size != tg_dtype_bytes(t->dtype, t->numel))
        return tg__fail(tg, TG__E_BYTES, (int64_t)size, t, (int64_t)tg_dtype_bytes(t->dtype, t->numel));
    if (!out && size) return tg__fail(tg, TG__E_NO_DATA, "place for the data");
    if (!tg__aligned(out, t->dtype)) {                                 /* the caller's bytes may stand anywhere */
        tg_tensor *copy = tg__tensor_make(tg, TG_CPU, t->dtype, t->ndim, t->shape, NULL);
        bool ok = copy && tg__copy_to(tg, copy, t);
        if (ok) memcpy(out, copy->data, size);
        tg__tensor_drop(copy);
        return ok;
    }
    tg__packed(&h, t, t->dtype, out);
    return tg__copy_to(tg, &h, t);
}
TG_API bool (tg_read_f32)(tg_tensor *t, float *out, int64_t count) {
    tg_ctx *tg = tg__start(t, "read_f32");
    tg_tensor h;
    if (!tg) return false;
    if (count != t->numel) return tg__fail(tg, TG__E_ELEMENTS, count, t, t->numel);
    if (!out && count) return tg__fail(tg, TG__E_NO_DATA, "place for the data");
    tg__packed(&h, t, TG_F32, out);
    return tg__copy_to(tg, &h, t);
}
TG_API bool (tg_write)(tg_tensor *t, const void *data, size_t size) {
    tg_ctx *tg = tg__start_any(t, "write");
    tg_tensor h;
    if (!tg || !tg__writable(tg, t)) return false;
    if (size != tg_dtype_bytes(t->dtype, t->numel))
        return tg__fail(tg, TG__E_BYTES, (int64_t)size, t, (int64_t)tg_dtype_bytes(t->dtype, t->numel));
    if (!data && size) return tg__fail(tg, TG__E_NO_DATA, "data");
    tg__packed(&h, t, t->dtype, (void *)(uintptr_t)data);
    if (!tg__aligned(data, t->dtype) || tg__meet(t, &h) != TG__MEET_NOT) { /* the data stand anywhere, or are t's own */
        tg_tensor *copy = tg__tensor_make(tg, TG_CPU, t->dtype, t->ndim, t->shape, NULL);
        bool ok = copy != NULL;
        if (ok) { memcpy(copy->data, data, size); ok = tg__copy_to(tg, t, copy); }
        tg__tensor_drop(copy);
        if (!ok) return false;
    } else if (!tg__copy_to(tg, t, &h)) return false;
    tg__touch(tg, t, "write");
    return true;
}
/* t without what it repeats: dimensions of stride 0 count once, so that looking at every element of an expanded
   tensor takes no longer than at its memory. With `other`, of the same shape, only where both repeat. */
TG__PRIVATE tg_tensor tg__distinct(const tg_tensor *t, const tg_tensor *other) {
    tg_tensor once = *t;
    int d;
    for (d = 0; d < t->ndim; d++) {
        if (t->shape[d] <= 1 || t->stride[d] != 0 || (other && other->stride[d] != 0)) continue;
        once.numel /= t->shape[d];
        once.shape[d] = 1;
    }
    return once;
}
/* Elements of two tensors compared as doubles (as int64 where both are integers), in order. rtol < 0: they must
   be equal, and NaN is not. */
TG__PRIVATE bool tg__compare(tg_tensor *a, tg_tensor *b, double rtol, double atol, const char *name) {
    tg_ctx *tg = tg__start2(a, b, name);
    int64_t i, at[TG_MAX_DIMS] = TG__ZERO;
    tg_tensor once;
    bool ints;
    int d;
    if (!tg || !(a = tg__on_host(tg, a)) || !(b = tg__on_host(tg, b))) return false;
    if (rtol >= 0) {                                                   /* allclose: broadcast, one dtype */
        tg_tensor *both[2];
        int64_t shape[TG_MAX_DIMS];
        int ndim;
        if (a->dtype != b->dtype) return tg__fail(tg, TG__E_SAME_DTYPE, a, b, "");
        both[0] = a; both[1] = b;
        if (!tg__broadcast(tg, both, 2, &ndim, shape)) return false;
        if (!tg__same_shape(a, b)) {
            tg_mark m = tg_begin(tg);
            bool close = (a = tg_expand(a, ndim, shape)) != NULL && (b = tg_expand(b, ndim, shape)) != NULL
                && tg__compare(a, b, rtol, atol, name);
            tg_end(tg, m);
            return close;
        }
    }
    if (!tg__same_shape(a, b)) return false;
    once = tg__distinct(a, b);
    ints = !tg_dtype_is_float(a->dtype) && !tg_dtype_is_float(b->dtype) && rtol < 0;
    for (i = 0; i < once.numel; i++) {
        int64_t oa = 0, ob = 0;
        const char *pa, *pb;
        for (d = 0; d < a->ndim; d++) { oa += at[d] * a->stride[d]; ob += at[d] * b->stride[d]; }
        pa = (const char *)a->data + oa * (int64_t)tg_dtype_size(a->dtype);
        pb = (const char *)b->data + ob * (int64_t)tg_dtype_size(b->dtype);
        if (ints) { if (tg__get_i64(pa, a->dtype) != tg__get_i64(pb, b->dtype)) return false; }
        else {
            double x = tg__get_f64(pa, a->dtype), y = tg__get_f64(pb, b->dtype), e = x - y, m = y < 0 ? -y : y;
            if (tg__is_nan(x) || tg__is_nan(y)) return false;
            if (x != y) {
                if (!tg__is_finite(x) || !tg__is_finite(y) || rtol < 0) return false;
                if ((e < 0 ? -e : e) > atol + rtol * m) return false;
            }
        }
        for (d = a->ndim - 1; d >= 0; d--) { if (++at[d] < once.shape[d]) break; at[d] = 0; }
    }
    return true;
}
TG_API bool (tg_equal)(tg_tensor *a, tg_tensor *b) { return tg__compare(a, b, -1, 0, "equal"); }
TG_API bool (tg_allclose)(tg_tensor *a, tg_tensor *b, double rtol, double atol) {
    tg_ctx *tg = tg__start2(a, b, "allclose");
    if (tg && !(rtol >= 0)) return tg__fail(tg, TG__E_RANGE, "rtol", "at least 0", rtol);
    if (tg && !(atol >= 0)) return tg__fail(tg, TG__E_RANGE, "atol", "at least 0", atol);
    return tg && tg__compare(a, b, rtol, atol, "allclose");
}

/* ---- anomaly mode: where is the first number that is none? ---- */
TG__PRIVATE bool tg__anomaly_check(tg_ctx *tg, const char *what, const tg__node *n, tg_tensor *t) {
    tg_tensor once;
    int64_t i;
    int d;
    if (!tg_dtype_is_float(t->dtype)) return true;
    if (!(t = tg__on_host(tg, t))) return false;
    once = tg__distinct(t, NULL);
    for (i = 0; i < once.numel; i++) {
        double v = tg__get_f64(tg__element_at(&once, i), t->dtype);
        int64_t rest = i, index = 0, size = 1;
        if (tg__is_finite(v)) continue;
        for (d = t->ndim - 1; d >= 0; d--) {                           /* its number among all elements */
            index += rest % once.shape[d] * size;
            rest /= once.shape[d]; size *= t->shape[d];
        }
        return tg__fail(tg, TG__E_ANOMALY, what, n->op->name, n->at.file, n->at.line,
            tg__is_nan(v) ? "NaN" : "infinity", index, t);
    }
    return true;
}

/* ======================================================================================
   >>impl-views    conversions and copies; views: permute, reshape, expand, slice, as_strided; writing through views; sharing
   ====================================================================================== */

typedef struct tg__shape_attr { int64_t ndim; int64_t shape[TG_MAX_DIMS]; } tg__shape_attr;

/* ------------------------------------------------------------------ to, clone, contiguous ----
   y = x in another dtype or layout; dx = g in x's dtype. */
typedef struct tg__to_attr { int64_t dtype; } tg__to_attr;
static const tg_attr tg__to_attrs[] = { TG__ATTR(tg__to_attr, dtype, DTYPE) };
TG__PRIVATE bool tg__to_check(tg_ctx *tg, tg__node *n) {
    const tg__to_attr *at = (const tg__to_attr *)n->attr;
    const tg_tensor *x = n->in[0];
    if (at->dtype < 0 || (at->dtype >= TG_DTYPES && !tg__is_block((tg_dtype)at->dtype))) return tg__fail(tg, TG__E_DTYPE_UNKNOWN, (int)at->dtype);
    if (!x->opaque && !tg__is_block((tg_dtype)at->dtype)) return tg__out_ordered(tg, n, 0, (tg_dtype)at->dtype, x);
    if (!tg_dtype_is_float(x->opaque ? (tg_dtype)at->dtype : x->dtype)) return tg__fail(tg, TG__E_NOT_FOR, x->opaque ? (int)at->dtype : (int)x->dtype);
    return tg__out_make(tg, n, 0, (tg_dtype)at->dtype, x->ndim, x->shape);
}
TG__PRIVATE bool tg__to_forward(tg_ctx *tg, tg__node *n) {
    tg_tensor *x = n->in[0];
    bool ok;
    if (!n->out[0]->opaque || tg__is_dense(x)) return tg__copy_to(tg, n->out[0], x);
    x = tg__tensor_make(tg, n->device, x->dtype, x->ndim, x->shape, NULL);        /* blocks are made of packed rows */
    ok = x && tg__copy_to(tg, x, n->in[0]) && tg__copy_to(tg, n->out[0], x);
    tg__tensor_drop(x);
    return ok;
}
TG__PRIVATE bool tg__copy_forward(tg_ctx *tg, tg__node *n) { return tg__copy_to(tg, n->out[0], n->in[0]); }
TG__PRIVATE bool tg__to_backward(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    (void)tg;
    dx[0] = tg_to(g[0], n->in_slot[0].dtype);
    return dx[0] != NULL;
}
static const tg_op tg__to_op = { TG__OP("to", TG__IN(1), TG__OUT(1), TG_OP_MAP | TG_OP_OPAQUE), TG__NO_SAVES, TG__ATTRS(tg__to),
    tg__to_check, tg__to_forward, tg__to_backward, NULL };
TG_API tg_tensor *(tg_to)(tg_tensor *t, tg_dtype dtype) {
    tg__to_attr at;
    if (t && t->alive && t->dtype == dtype && tg__gate(t->tg)) return t;
    at.dtype = dtype;
    return tg__call(&tg__to_op, &at, &t, 1, NULL, 1);
}

TG__PRIVATE bool tg__clone_check(tg_ctx *tg, tg__node *n) {
    return tg__out_ordered(tg, n, 0, n->in[0]->dtype, n->in[0]);
}
TG__PRIVATE bool tg__contiguous_check(tg_ctx *tg, tg__node *n) { return tg__out_like(tg, n, 0, n->in[0]); }
TG__PRIVATE bool tg__same_backward(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    (void)tg;
    (void)n;
    dx[0] = g[0];
    return true;
}
static const tg_op tg__clone_op = { TG__OP("clone", TG__IN(1), TG__OUT(1), TG_OP_MAP | TG_OP_OPAQUE), TG__NO_SAVES, TG__NO_ATTRS,
    tg__clone_check, tg__copy_forward, tg__same_backward, NULL };
static const tg_op tg__contiguous_op = { TG__OP("contiguous", TG__IN(1), TG__OUT(1), TG_OP_MAP | TG_OP_OPAQUE), TG__NO_SAVES, TG__NO_ATTRS,
    tg__contiguous_check, tg__copy_forward, tg__same_backward, NULL };
TG_API tg_tensor *(tg_clone)(tg_tensor *t) { return tg__call(&tg__clone_op, NULL, &t, 1, NULL, 1); }
TG_API tg_tensor *(tg_contiguous)(tg_tensor *t) {
    if (t && t->alive && tg__gate(t->tg) && tg__is_dense(t)) return t;
    return tg__call(&tg__contiguous_op, NULL, &t, 1, NULL, 1);
}

/* ------------------------------------------------------------------ copy_ ----
   to = from, broadcast and converted; the old value gets no gradient, from gets g. */
TG__PRIVATE bool tg__copy_check_(tg_ctx *tg, tg__node *n) {
    int64_t shape[TG_MAX_DIMS];
    int ndim;
    if (!tg__broadcast(tg, n->in, 2, &ndim, shape)) return false;
    if (ndim != n->in[0]->ndim || memcmp(shape, n->in[0]->shape, (size_t)ndim * sizeof shape[0]) != 0)
        return tg__fail(tg, TG__E_INPLACE_SHAPE, ndim, shape, n->in[0]);
    return tg__out_same(n);
}
TG__PRIVATE bool tg__copy_forward_(tg_ctx *tg, tg__node *n) {
    return tg__meet(n->out[0], n->in[1]) == TG__MEET_SAME || tg__copy_to(tg, n->out[0], n->in[1]);
}
TG__PRIVATE bool tg__copy_backward_(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    if (n->wants[0]) dx[0] = tg_zeros_like(g[0]);
    if (n->wants[1]) dx[1] = g[0];
    return tg->error == TG_OK;
}
static const tg_op tg__copy_op_ = { TG__OP("copy_", TG__IN(2), TG__OUT(1), TG_OP_INPLACE), TG__NO_SAVES, TG__NO_ATTRS,
    tg__copy_check_, tg__copy_forward_, tg__copy_backward_, NULL };
TG_API tg_tensor *(tg_copy_)(tg_tensor *to, tg_tensor *from) {
    return tg__apply(&tg__copy_op_, NULL, NULL, to, from);
}

/* ---- views ---- */
TG__PRIVATE bool tg__out_view(tg__node *n, int ndim, const int64_t *shape, const int64_t *stride, int64_t offset) {
    tg_tensor *v = tg__alias(n->in[0]);
    int64_t numel = 1;
    int i;
    if (!v) return false;
    for (i = 0; i < ndim; i++) { numel *= shape[i]; v->shape[i] = shape[i]; v->stride[i] = stride[i]; }
    v->ndim = ndim; v->numel = numel;
    v->place = (char *)v->place + offset * (int64_t)tg_dtype_size(v->dtype);
    if (v->data) v->data = v->place;
    n->out[0] = v;
    return true;
}

/* ------------------------------------------------------------------ permute ----
   y[i_p0, i_p1, ...] = x[i_0, i_1, ...]; dx = g permuted back. */
static const tg_attr tg__permute_attrs[] = {
    { "dims", TG_ATTR_INTS, offsetof(tg__shape_attr, shape), TG_MAX_DIMS, offsetof(tg__shape_attr, ndim) }
};
TG__PRIVATE bool tg__permute_check(tg_ctx *tg, tg__node *n) {
    tg__shape_attr *at = (tg__shape_attr *)n->attr;
    tg_tensor *x = n->in[0];
    int64_t shape[TG_MAX_DIMS], stride[TG_MAX_DIMS], asked[TG_MAX_DIMS];
    bool seen[TG_MAX_DIMS] = TG__ZERO;
    int i;
    for (i = 0; i < (int)at->ndim; i++) asked[i] = at->shape[i];
    if (at->ndim != x->ndim) return tg__fail(tg, TG__E_PERMUTE, (int)at->ndim, asked, x);
    for (i = 0; i < x->ndim; i++) {
        if (!tg__wrap_dim(tg, x, &at->shape[i], x->ndim)) return false;
        if (seen[at->shape[i]]) return tg__fail(tg, TG__E_PERMUTE, (int)at->ndim, asked, x);
        seen[at->shape[i]] = true;
        shape[i] = x->shape[at->shape[i]]; stride[i] = x->stride[at->shape[i]];
    }
    return tg__out_view(n, x->ndim, shape, stride, 0);
}
TG__PRIVATE bool tg__permute_backward(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    const tg__shape_attr *at = (const tg__shape_attr *)n->attr;
    int64_t back[TG_MAX_DIMS];
    int i;
    (void)tg;
    for (i = 0; i < (int)at->ndim; i++) back[at->shape[i]] = i;
    dx[0] = tg_permute(g[0], (int)at->ndim, back);
    return dx[0] != NULL;
}
static const tg_op tg__permute_op = { TG__OP("permute", TG__IN(1), TG__OUT(1), TG_OP_VIEW), TG__NO_SAVES, TG__ATTRS_OF(tg__permute, tg__shape),
    tg__permute_check, NULL, tg__permute_backward, NULL };

TG__PRIVATE bool tg__shape_attr_fill(tg_ctx *tg, tg__shape_attr *at, int ndim, const int64_t *shape,
    const char *what) {
    memset(at, 0, sizeof *at);
    if (ndim < 0 || ndim > TG_MAX_DIMS) return tg__fail(tg, TG__E_NDIM, ndim);
    if (ndim && !shape) return tg__fail(tg, TG__E_NO_DATA, what);
    at->ndim = ndim;
    if (ndim) memcpy(at->shape, shape, (size_t)ndim * sizeof shape[0]);
    return true;
}
TG_API tg_tensor *(tg_permute)(tg_tensor *t, int ndim, const int64_t *dims) {
    tg_ctx *tg = tg__start(t, "permute");
    tg__shape_attr at;
    return tg && tg__shape_attr_fill(tg, &at, ndim, dims, "dims")
        ? tg__call(&tg__permute_op, &at, &t, 1, NULL, 1) : NULL;
}
TG_API tg_tensor *(tg_transpose)(tg_tensor *t, int64_t dim0, int64_t dim1) {
    tg_ctx *tg = tg__start(t, "transpose");
    int64_t dims[TG_MAX_DIMS];
    int i;
    if (!tg || !tg__wrap_dim(tg, t, &dim0, t->ndim) || !tg__wrap_dim(tg, t, &dim1, t->ndim)) return NULL;
    for (i = 0; i < t->ndim; i++) dims[i] = i;
    if (t->ndim) { dims[dim0] = dim1; dims[dim1] = dim0; }
    return tg_permute(t, t->ndim, dims);
}
TG_API tg_tensor *(tg_t)(tg_tensor *t) {
    tg_ctx *tg = tg__start(t, "t");
    if (!tg) return NULL;
    if (t->ndim > 2) { tg__fail(tg, TG__E_T_DIMS, t, (int)t->ndim); return NULL; }
    return t->ndim == 2 ? tg_transpose(t, 0, 1) : tg_transpose(t, 0, 0);
}

/* ------------------------------------------------------------------ view, reshape ----
   The same elements in the same order under another shape; dx = g in x's shape. The shape may have one -1. */
static const tg_attr tg__view_attrs[] = { TG__ATTR_INTS(tg__shape_attr, shape, ndim) };

TG__PRIVATE bool tg__infer_shape(tg_ctx *tg, const tg_tensor *x, tg__shape_attr *at) {
    int64_t known = 1;
    int i, open = -1, ndim = (int)at->ndim;
    for (i = 0; i < ndim; i++) {
        if (at->shape[i] == -1) { if (open >= 0) return tg__fail(tg, TG__E_VIEW_TWO, ndim, at->shape); open = i; }
        else if (at->shape[i] < 0) return tg__fail(tg, TG__E_SIZE, at->shape[i], i);
        else if (!tg__mul_i64(known, at->shape[i], &known)) return tg__fail(tg, TG__E_TOO_LARGE, ndim, at->shape);
    }
    if (open >= 0) {
        if (known == 0 || x->numel % known) return tg__fail(tg, TG__E_VIEW_NUMEL, x, x->numel, ndim, at->shape);
        at->shape[open] = x->numel / known;
        known *= at->shape[open];
    }
    return tg__check_shape(tg, x->dtype, ndim, at->shape, &known) &&
        (known == x->numel || tg__fail(tg, TG__E_VIEW_NUMEL, x, x->numel, ndim, at->shape));
}
/* Strides of the new shape over the same memory, if there are any: every group of old dimensions that a group
   of new ones replaces must be one run. */
TG__PRIVATE bool tg__view_strides(const tg_tensor *x, int ndim, const int64_t *shape, int64_t *stride) {
    int64_t base, old_run = 1, new_run = 1;
    int o, v = ndim - 1;
    if (x->numel == 0) { tg__dense_strides(ndim, shape, stride); return true; }
    base = x->ndim ? x->stride[x->ndim - 1] : 1;
    for (o = x->ndim - 1; o >= 0; o--) {
        old_run *= x->shape[o];
        if (o == 0 || (x->shape[o - 1] != 1 && x->stride[o - 1] != old_run * base)) {
            while (v >= 0 && (new_run < old_run || shape[v] == 1)) {
                stride[v] = new_run * base;
                new_run *= shape[v];
                v--;
            }
            if (new_run != old_run) return false;
            if (o > 0) { base = x->stride[o - 1]; old_run = new_run = 1; }
        }
    }
    for (; v >= 0; v--) stride[v] = 1;
    return true;
}
TG__PRIVATE bool tg__view_check(tg_ctx *tg, tg__node *n) {
    tg__shape_attr *at = (tg__shape_attr *)n->attr;
    int64_t stride[TG_MAX_DIMS];
    if (!tg__infer_shape(tg, n->in[0], at)) return false;
    if (!tg__view_strides(n->in[0], (int)at->ndim, at->shape, stride))
        return tg__fail(tg, TG__E_VIEW_STRIDES, n->in[0], (int)at->ndim, at->shape);
    return tg__out_view(n, (int)at->ndim, at->shape, stride, 0);
}
TG__PRIVATE bool tg__view_backward(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    (void)tg;
    dx[0] = tg_reshape(g[0], n->in_slot[0].ndim, n->in_slot[0].shape);
    return dx[0] != NULL;
}
static const tg_op tg__view_op = { TG__OP("view", TG__IN(1), TG__OUT(1), TG_OP_VIEW), TG__NO_SAVES, TG__ATTRS_OF(tg__view, tg__shape),
    tg__view_check, NULL, tg__view_backward, NULL };
TG_API tg_tensor *(tg_view)(tg_tensor *t, int ndim, const int64_t *shape) {
    tg_ctx *tg = tg__start(t, "view");
    tg__shape_attr at;
    return tg && tg__shape_attr_fill(tg, &at, ndim, shape, "shape")
        ? tg__call(&tg__view_op, &at, &t, 1, NULL, 1) : NULL;
}
TG_API tg_tensor *(tg_reshape)(tg_tensor *t, int ndim, const int64_t *shape) {
    tg_ctx *tg = tg__start(t, "reshape");
    tg__shape_attr at;
    int64_t stride[TG_MAX_DIMS];
    if (!tg || !tg__shape_attr_fill(tg, &at, ndim, shape, "shape") || !tg__infer_shape(tg, t, &at)) return NULL;
    if (!tg__view_strides(t, ndim, at.shape, stride)) t = tg_contiguous(t);
    return tg__call(&tg__view_op, &at, &t, 1, NULL, 1);
}
TG_API tg_tensor *(tg_flatten)(tg_tensor *t, int64_t start_dim, int64_t end_dim) {
    tg_ctx *tg = tg__start(t, "flatten");
    int64_t shape[TG_MAX_DIMS];
    int i, n = 0;
    if (!tg || !tg__wrap_dim(tg, t, &start_dim, t->ndim) || !tg__wrap_dim(tg, t, &end_dim, t->ndim)) return NULL;
    if (start_dim > end_dim) { tg__fail(tg, TG__E_ARGUMENT, "start_dim comes after end_dim"); return NULL; }
    if (t->ndim == 0) { shape[0] = 1; return tg_reshape(t, 1, shape); }
    for (i = 0; i < t->ndim; i++) {
        if (i > start_dim && i <= end_dim) shape[n - 1] *= t->shape[i]; else shape[n++] = t->shape[i];
    }
    return tg_reshape(t, n, shape);
}
TG_API tg_tensor *(tg_squeeze)(tg_tensor *t, int64_t dim) {
    tg_ctx *tg = tg__start(t, "squeeze");
    int64_t shape[TG_MAX_DIMS];
    int i, n = 0;
    if (!tg || !tg__wrap_dim(tg, t, &dim, t->ndim)) return NULL;
    for (i = 0; i < t->ndim; i++) if (i != dim || t->shape[i] != 1) shape[n++] = t->shape[i];
    return tg_view(t, n, shape);
}
TG_API tg_tensor *(tg_unsqueeze)(tg_tensor *t, int64_t dim) {
    tg_ctx *tg = tg__start(t, "unsqueeze");
    int64_t shape[TG_MAX_DIMS];
    int i;
    if (!tg) return NULL;
    if (t->ndim == TG_MAX_DIMS) { tg__fail(tg, TG__E_NDIM, t->ndim + 1); return NULL; }
    if (!tg__wrap_dim(tg, t, &dim, t->ndim + 1)) return NULL;
    for (i = 0; i <= t->ndim; i++) shape[i] = i < dim ? t->shape[i] : i == dim ? 1 : t->shape[i - 1];
    return tg_view(t, t->ndim + 1, shape);
}

/* ------------------------------------------------------------------ expand ----
   Dimensions of size 1, and new ones in front, repeat by stride 0; dx = g, which the walk sums back. */
TG__PRIVATE bool tg__expand_check(tg_ctx *tg, tg__node *n) {
    tg__shape_attr *at = (tg__shape_attr *)n->attr;
    tg_tensor *x = n->in[0];
    int64_t stride[TG_MAX_DIMS], numel;
    int i, lead = (int)at->ndim - x->ndim;
    if (lead < 0) return tg__fail(tg, TG__E_EXPAND, x, (int)at->ndim, at->shape, 0, x->ndim ? x->shape[0] : 1);
    for (i = 0; i < (int)at->ndim; i++) {
        int64_t old = i < lead ? 1 : x->shape[i - lead];
        if (at->shape[i] == -1 && i >= lead) at->shape[i] = old;
        if (at->shape[i] < 0) return tg__fail(tg, TG__E_SIZE, at->shape[i], i);
        if (old != at->shape[i] && old != 1)
            return tg__fail(tg, TG__E_EXPAND, x, (int)at->ndim, at->shape, i - lead, old);
        stride[i] = i < lead || (old == 1 && at->shape[i] != 1) ? 0 : x->stride[i - lead];
    }
    return tg__check_shape(tg, x->dtype, (int)at->ndim, at->shape, &numel) &&
        tg__out_view(n, (int)at->ndim, at->shape, stride, 0);
}
static const tg_op tg__expand_op = { TG__OP("expand", TG__IN(1), TG__OUT(1), TG_OP_VIEW), TG__NO_SAVES, TG__ATTRS_OF(tg__view, tg__shape),
    tg__expand_check, NULL, tg__same_backward, NULL };
TG_API tg_tensor *(tg_expand)(tg_tensor *t, int ndim, const int64_t *shape) {
    tg_ctx *tg = tg__start(t, "expand");
    tg__shape_attr at;
    return tg && tg__shape_attr_fill(tg, &at, ndim, shape, "shape")
        ? tg__call(&tg__expand_op, &at, &t, 1, NULL, 1) : NULL;
}

/* ------------------------------------------------------------------ slice, slice_put ----
   slice: y[i] = x[start + i * step] in every dimension; dx = zeros with g put there.
   slice_put: y = zeros of a shape with x put there, the linear opposite; its dx is the slice of g. */
/* shape: of the whole; size: of the part */
typedef struct tg__slice_attr {
    int64_t ndim, shape[TG_MAX_DIMS], start[TG_MAX_DIMS], step[TG_MAX_DIMS], size[TG_MAX_DIMS];
} tg__slice_attr;
static const tg_attr tg__slice_attrs[] = {
    TG__ATTR_INTS(tg__slice_attr, shape, ndim), TG__ATTR_INTS(tg__slice_attr, start, ndim),
    TG__ATTR_INTS(tg__slice_attr, step, ndim), TG__ATTR_INTS(tg__slice_attr, size, ndim)
};
TG__PRIVATE tg_tensor *tg__slice_put(tg_tensor *part, const void *attr);

/* Shape, strides and offset of the part, seen in the whole. */
TG__PRIVATE int64_t tg__slice_place(const tg__slice_attr *at, const tg_tensor *whole, int64_t *stride) {
    int64_t offset = 0;
    int i;
    for (i = 0; i < (int)at->ndim; i++) {
        stride[i] = at->size[i] > 1 && whole->numel ? whole->stride[i] * at->step[i] : whole->stride[i];
        if (at->size[i] > 0 && whole->numel) offset += at->start[i] * whole->stride[i];
    }
    return offset;
}
TG__PRIVATE bool tg__slice_check(tg_ctx *tg, tg__node *n) {
    tg__slice_attr *at = (tg__slice_attr *)n->attr;
    int64_t stride[TG_MAX_DIMS], offset = tg__slice_place(at, n->in[0], stride);
    (void)tg;
    return tg__out_view(n, (int)at->ndim, at->size, stride, offset);
}
TG__PRIVATE bool tg__slice_backward(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    (void)tg;
    dx[0] = tg__slice_put(g[0], n->attr);
    return dx[0] != NULL;
}
static const tg_op tg__slice_op = { TG__OP("slice", TG__IN(1), TG__OUT(1), TG_OP_VIEW), TG__NO_SAVES, TG__ATTRS(tg__slice),
    tg__slice_check, NULL, tg__slice_backward, NULL };

TG__PRIVATE bool tg__slice_put_check(tg_ctx *tg, tg__node *n) {
    const tg__slice_attr *at = (const tg__slice_attr *)n->attr;
    return tg__out_make(tg, n, 0, n->in[0]->dtype, (int)at->ndim, at->shape);
}
TG__PRIVATE bool tg__slice_put_forward(tg_ctx *tg, tg__node *n) {
    const tg__slice_attr *at = (const tg__slice_attr *)n->attr;
    tg_tensor part = *n->out[0];
    int64_t offset = tg__slice_place(at, n->out[0], part.stride);
    if (n->in[0]->numel != n->out[0]->numel && !tg__fill(tg, n->out[0], 0, 0, true)) return false;
    memcpy(part.shape, at->size, sizeof part.shape);
    part.numel = n->in[0]->numel;
    part.place = (char *)part.place + offset * (int64_t)tg_dtype_size(part.dtype);
    if (part.data) part.data = part.place;
    return tg__copy_to(tg, &part, n->in[0]);
}
TG__PRIVATE bool tg__slice_put_backward(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    (void)tg;
    dx[0] = tg__call(&tg__slice_op, n->attr, g, 1, NULL, 1);
    return dx[0] != NULL;
}
static const tg_op tg__slice_put_op = { TG__OP("slice_put", TG__IN(1), TG__OUT(1), TG__NO_FLAGS), TG__NO_SAVES, TG__ATTRS(tg__slice),
    tg__slice_put_check, tg__slice_put_forward, tg__slice_put_backward, NULL };
TG__PRIVATE tg_tensor *tg__slice_put(tg_tensor *part, const void *attr) {
    return tg__call(&tg__slice_put_op, attr, &part, 1, NULL, 1);
}

TG__PRIVATE void tg__slice_whole(const tg_tensor *t, tg__slice_attr *at) {
    int i;
    memset(at, 0, sizeof *at);
    at->ndim = t->ndim;
    for (i = 0; i < t->ndim; i++) { at->shape[i] = at->size[i] = t->shape[i]; at->step[i] = 1; }
}
/* Python's rules: negative ends count from the back, everything is clamped. `has_start`, `has_end`: given or
   open. */
TG__PRIVATE void tg__slice_range(tg__slice_attr *at, int d, bool has_start, int64_t start,
    bool has_end, int64_t end, int64_t step) {
    int64_t n = at->shape[d], low = step < 0 ? -1 : 0, high = step < 0 ? n - 1 : n;
    if (!has_start) start = step < 0 ? high : low;
    else {
        if (start < 0) start = start < -n ? INT64_MIN / 2 : start + n;
        start = start < low ? low : start > high ? high : start;
    }
    if (!has_end) end = step < 0 ? low : high;
    else {
        if (end < 0) end = end < -n ? INT64_MIN / 2 : end + n;
        end = end < low ? low : end > high ? high : end;
    }
    at->start[d] = start; at->step[d] = step;
    at->size[d] = step > 0 ? (end > start ? (end - start - 1) / step + 1 : 0)
        : (start > end ? (start - end - 1) / (step == INT64_MIN ? INT64_MAX : -step) + 1 : 0);
    /* a huge step of a single element must not overflow a stride */
    if (at->size[d] <= 1) at->step[d] = step > 0 ? 1 : -1;
}
TG__PRIVATE tg_tensor *tg__slice_call(tg_tensor *t, const tg__slice_attr *at) {
    return tg__call(&tg__slice_op, at, &t, 1, NULL, 1);
}

TG_API tg_tensor *(tg_slice_dim)(tg_tensor *t, int64_t dim, int64_t start, int64_t end, int64_t step) {
    tg_ctx *tg = tg__start(t, "slice_dim");
    tg__slice_attr at;
    if (!tg) return NULL;
    if (t->ndim == 0) { tg__fail(tg, TG__E_NO_DIMS, t); return NULL; }
    if (!tg__wrap_dim(tg, t, &dim, t->ndim)) return NULL;
    if (step == 0) { tg__fail(tg, TG__E_STEP); return NULL; }
    tg__slice_whole(t, &at);
    tg__slice_range(&at, (int)dim, true, start, true, end, step);
    return tg__slice_call(t, &at);
}
TG_API tg_tensor *(tg_narrow)(tg_tensor *t, int64_t dim, int64_t start, int64_t length) {
    tg_ctx *tg = tg__start(t, "narrow");
    tg__slice_attr at;
    int64_t from = start;
    if (!tg) return NULL;
    if (t->ndim == 0) { tg__fail(tg, TG__E_NO_DIMS, t); return NULL; }
    if (!tg__wrap_dim(tg, t, &dim, t->ndim)) return NULL;
    if (from < 0) from += t->shape[dim];
    if (from < 0 || length < 0 || from > t->shape[dim] || length > t->shape[dim] - from) {
        tg__fail(tg, TG__E_NARROW, start, length, (int)dim, t);
        return NULL;
    }
    tg__slice_whole(t, &at);
    at.start[dim] = from; at.size[dim] = length;
    return tg__slice_call(t, &at);
}
TG_API tg_tensor *(tg_select)(tg_tensor *t, int64_t dim, int64_t index) {
    tg_ctx *tg = tg__start(t, "select");
    int64_t i = index;
    if (!tg) return NULL;
    if (t->ndim == 0) { tg__fail(tg, TG__E_NO_DIMS, t); return NULL; }
    if (!tg__wrap_dim(tg, t, &dim, t->ndim)) return NULL;
    if (i < 0) i += t->shape[dim];
    if (i < 0 || i >= t->shape[dim]) { tg__fail(tg, TG__E_INDEX, index, (int)dim, t); return NULL; }
    return tg_squeeze(tg_narrow(t, dim, i, 1), dim);
}

/* Counts on past the room: the caller refuses afterwards. */
TG__PRIVATE void tg__push(int64_t *list, int room, int *n, int64_t v) { if (*n < room) list[*n] = v; (*n)++; }

/* The text of an index: integers, a:b:c, ..., None, separated by commas. */
TG_API tg_tensor *(tg_slice)(tg_tensor *t, const char *text) {
    tg_ctx *tg = tg__start(t, "slice");
    tg__slice_attr at;
    int64_t shape[TG_MAX_DIMS];
    int i, d = 0, n = 0, given = 0, pass, rest;
    const char *p;
    if (!tg) return NULL;
    if (!text) { tg__fail(tg, TG__E_NO_DATA, "text"); return NULL; }
    tg__slice_whole(t, &at);
    /* first count, so that "..." knows how many dimensions it stands for */
    for (pass = 0; pass < 2; pass++) {
        bool dots = false;
        d = 0; n = 0;
        rest = t->ndim - given;
        for (p = text; ; ) {
            int64_t v[3] = { 0, 0, 1 };
            bool has[3] = { false, false, false };
            int part = 0;
            while (*p == ' ') p++;
            if (p[0] == '.' && p[1] == '.' && p[2] == '.') {
                if (dots) goto bad;
                dots = true; p += 3;
                if (pass == 1) for (i = 0; i < rest; i++) tg__push(shape, TG_MAX_DIMS, &n, at.size[d++]);
            } else if (p[0] == 'N' && p[1] == 'o' && p[2] == 'n' && p[3] == 'e') {
                p += 4;
                tg__push(shape, TG_MAX_DIMS, &n, 1);
            } else if (*p == 0 && p == text) break;
            else {
                for (;;) {
                    const char *stop;
                    while (*p == ' ') p++;
                    if (*p == '-' || *p == '+' || (*p >= '0' && *p <= '9')) {
                        if (part > 2 || !tg__parse_i64(p, p + strlen(p), &stop, &v[part])) goto bad;
                        has[part] = true; p = stop;
                        while (*p == ' ') p++;
                    }
                    if (*p == ':' && part < 2) { part++; p++; continue; }
                    break;
                }
                if (part == 0 && !has[0]) goto bad;
                if (pass == 0) given++;
                else {
                    if (part == 0) {
                        int64_t k = v[0] < 0 ? v[0] + at.shape[d] : v[0];
                        if (k < 0 || k >= at.shape[d]) { tg__fail(tg, TG__E_INDEX, v[0], d, t); return NULL; }
                        at.start[d] = k; at.size[d] = 1; at.step[d] = 1;
                    } else {
                        if (has[2] && v[2] == 0) { tg__fail(tg, TG__E_STEP); return NULL; }
                        tg__slice_range(&at, d, has[0], v[0], has[1], v[1], v[2]);
                        tg__push(shape, TG_MAX_DIMS, &n, at.size[d]);
                    }
                    d++;
                }
            }
            while (*p == ' ') p++;
            if (*p == ',') { p++; while (*p == ' ') p++; if (*p) continue; }
            if (*p) goto bad;
            break;
        }
        if (given > t->ndim) { tg__fail(tg, TG__E_SLICE_DIMS, text, t); return NULL; }
    }
    while (d < t->ndim) tg__push(shape, TG_MAX_DIMS, &n, at.size[d++]);
    if (n > TG_MAX_DIMS) { tg__fail(tg, TG__E_NDIM, n); return NULL; }
    t = tg__slice_call(t, &at);
    return t && n == t->ndim && memcmp(shape, t->shape, (size_t)n * sizeof shape[0]) == 0
        ? t : tg_view(t, n, shape);
bad:
    tg__fail(tg, TG__E_SLICE_TEXT, text, (int)(p - text));
    return NULL;
}

/* ------------------------------------------------------------------ as_strided, as_strided_add ----
   as_strided: any shape and strides over t's storage, from `offset` elements after t's first. The gradient
   collects overlapping elements: it is the opposite, as_strided_add, into zeros of t's shape. t must be dense
   in some order of its dimensions. */
typedef struct tg__strided_attr {
    int64_t ndim, shape[TG_MAX_DIMS], stride[TG_MAX_DIMS], offset,
            of_ndim, of_shape[TG_MAX_DIMS], of_stride[TG_MAX_DIMS];
} tg__strided_attr;
static const tg_attr tg__strided_attrs[] = {
    TG__ATTR_INTS(tg__strided_attr, shape, ndim), TG__ATTR_INTS(tg__strided_attr, stride, ndim), TG__ATTR(tg__strided_attr, offset, INT),
    TG__ATTR_INTS(tg__strided_attr, of_shape, of_ndim), TG__ATTR_INTS(tg__strided_attr, of_stride, of_ndim)
};
TG__PRIVATE tg_tensor *tg__strided_add(tg_tensor *part, const void *attr);

TG__PRIVATE bool tg__strided_check(tg_ctx *tg, tg__node *n) {
    tg__strided_attr *at = (tg__strided_attr *)n->attr;
    const tg_tensor *x = n->in[0];
    int64_t low = at->offset, high = at->offset, all = (int64_t)(x->storage->bytes / tg_dtype_size(x->dtype)),
            first = 0, numel;
    int i;
    bool empty = false;
    if (!tg__check_shape(tg, x->dtype, (int)at->ndim, at->shape, &numel)) return false;
    if (x->place)
        first = ((const char *)x->place - (const char *)x->storage->data) / (int64_t)tg_dtype_size(x->dtype);
    for (i = 0; i < (int)at->ndim; i++) empty |= at->shape[i] == 0;
    for (i = 0; i < (int)at->ndim && !empty; i++) {
        int64_t s = at->stride[i], d;
        if (at->shape[i] <= 1) continue;
        if (s == INT64_MIN || !tg__mul_i64(at->shape[i] - 1, s < 0 ? -s : s, &d) ||
            !tg__add_i64(s < 0 ? low : high, s < 0 ? -d : d, s < 0 ? &low : &high))
            return tg__fail(tg, TG__E_AS_STRIDED, (int)at->ndim, at->shape, all);
    }
    if (!empty && (low < -first || high >= all - first))
        return tg__fail(tg, TG__E_AS_STRIDED, (int)at->ndim, at->shape, all);
    at->of_ndim = x->ndim;
    for (i = 0; i < x->ndim; i++) { at->of_shape[i] = x->shape[i]; at->of_stride[i] = x->stride[i]; }
    return tg__out_view(n, (int)at->ndim, at->shape, at->stride, empty ? 0 : at->offset);
}
TG__PRIVATE bool tg__strided_backward(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    (void)tg;
    dx[0] = tg__strided_add(g[0], n->attr);
    return dx[0] != NULL;
}
static const tg_op tg__strided_op = { TG__OP("as_strided", TG__IN(1), TG__OUT(1), TG_OP_VIEW), TG__NO_SAVES, TG__ATTRS(tg__strided),
    tg__strided_check, NULL, tg__strided_backward, NULL };

TG__PRIVATE bool tg__strided_add_check(tg_ctx *tg, tg__node *n) {
    const tg__strided_attr *at = (const tg__strided_attr *)n->attr;
    tg_tensor like = *n->in[0];
    like.ndim = (int32_t)at->of_ndim; like.numel = 1;
    memcpy(like.shape, at->of_shape, sizeof like.shape); memcpy(like.stride, at->of_stride, sizeof like.stride);
    return tg__out_ordered(tg, n, 0, like.dtype, &like);
}
/* Might a view of these strides name one element twice? False only where the strides nest. */
TG__PRIVATE bool tg__may_repeat(int ndim, const int64_t *shape, const int64_t *stride) {
    int64_t reach = 0;                                                 /* of the dimensions that were taken so far */
    unsigned taken = 0;
    int i, k, best;
    for (i = 0; i < ndim; i++) if (shape[i] == 0) return false;
    for (k = 0; k < ndim; k++) {
        int64_t least = 0;
        for (best = -1, i = 0; i < ndim; i++) {
            int64_t s = shape[i] == 1 ? 0 : stride[i] < 0 ? -stride[i] : stride[i];
            if (!(taken >> i & 1u) && (best < 0 || s < least)) { best = i; least = s; }
        }
        taken |= 1u << best;
        if (shape[best] == 1) continue;
        if (least <= reach) return true;
        reach += least * (shape[best] - 1);
    }
    return false;
}
/* The part lies within t's elements and names none twice, as parts do: it is copied to its place. Else its elements
   are added one after the other, in row-major order; those outside of t's own are dropped. */
TG__PRIVATE bool tg__strided_add_forward(tg_ctx *tg, tg__node *n) {
    const tg__strided_attr *at = (const tg__strided_attr *)n->attr;
    tg_tensor *y = n->out[0], *g = n->in[0], *place, *buffer, part;
    int64_t low = at->offset, high = at->offset + 1, flat;
    bool ok;
    int d;
    tg_mark m;
    if (!tg__fill(tg, y, 0, 0, true)) return false;
    if (g->numel == 0) return true;
    for (d = 0; d < g->ndim; d++) {
        int64_t reach = (g->shape[d] - 1) * at->stride[d];
        if (reach < 0) low += reach; else high += reach;
    }
    part = *y;
    if (low >= 0 && high <= y->numel && !tg__may_repeat(g->ndim, g->shape, at->stride)) {
        part.ndim = g->ndim; part.numel = g->numel;
        for (d = 0; d < g->ndim; d++) { part.shape[d] = g->shape[d]; part.stride[d] = at->stride[d]; }
        part.place = (char *)part.place + at->offset * (int64_t)tg_dtype_size(y->dtype);
        return tg__copy_to(tg, &part, g);
    }
    m = tg_begin(tg);
    if (low > 0) low = 0;
    place = tg__full_beside(tg, g, TG_I64, 0, NULL, (double)(at->offset - low));
    for (d = 0; d < g->ndim && place; d++) {
        int64_t shape[TG_MAX_DIMS];
        int i;
        tg_tensor *along = tg__count_beside(tg, g, g->shape[d]);
        for (i = 0; i < g->ndim; i++) shape[i] = i == d ? g->shape[d] : 1;
        place = tg_add(place, tg_reshape(tg_mul(along, tg_integer(tg, at->stride[d])), g->ndim, shape));
    }
    flat = tg__imax(high, y->numel) - low;
    buffer = place ? tg__full_beside(tg, g, y->dtype, 1, &flat, 0) : NULL;
    buffer = tg_index_add(buffer, 0, tg_reshape(place, 1, &g->numel), tg_reshape(g, 1, &g->numel));
    ok = buffer != NULL;
    if (ok) {
        part.ndim = 1; part.numel = part.shape[0] = y->numel; part.stride[0] = 1;
        ok = tg__copy_to(tg, &part, tg_narrow(buffer, 0, -low, y->numel));
    }
    tg_end(tg, m);
    return ok;
}
/* t laid out in the memory order that the attribute's strides speak of. */
TG__PRIVATE tg_tensor *tg__in_order(tg_tensor *t, const tg__strided_attr *at) {
    tg_tensor like = *t;
    int64_t dims[TG_MAX_DIMS], back[TG_MAX_DIMS];
    int order[TG_MAX_DIMS], i;
    memcpy(like.stride, at->of_stride, sizeof like.stride);
    if (!tg__stride_order(&like, order)) return tg_contiguous(t);
    for (i = 0; i < t->ndim; i++) { dims[i] = order[i]; back[order[i]] = i; }
    return tg_permute(tg_contiguous(tg_permute(t, t->ndim, dims)), t->ndim, back);
}
TG__PRIVATE bool tg__strided_add_backward(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    tg_tensor *whole = tg__in_order(g[0], (const tg__strided_attr *)n->attr);
    (void)tg;
    dx[0] = whole ? tg__call(&tg__strided_op, n->attr, &whole, 1, NULL, 1) : NULL;
    return dx[0] != NULL;
}
static const tg_op tg__strided_add_op = { TG__OP("as_strided_add", TG__IN(1), TG__OUT(1), TG__NO_FLAGS), TG__NO_SAVES, TG__ATTRS(tg__strided),
    tg__strided_add_check, tg__strided_add_forward, tg__strided_add_backward, NULL };
TG__PRIVATE tg_tensor *tg__strided_add(tg_tensor *part, const void *attr) {
    return tg__call(&tg__strided_add_op, attr, &part, 1, NULL, 1);
}

/* Gradients by places in memory speak of a dense tensor: are t's elements one block, in whatever order? */
TG__PRIVATE bool tg__has_holes(const tg_tensor *t) {
    int order[TG_MAX_DIMS], i;
    bool has = tg__stride_order(t, order);
    int64_t s = 1;
    if (t->numel == 0) return false;
    for (i = t->ndim - 1; i >= 0; i--) {
        int d = has ? order[i] : i;
        if (t->shape[d] != 1 && t->stride[d] != s) return true;
        s *= t->shape[d];
    }
    return false;
}
TG_API tg_tensor *(tg_as_strided)(tg_tensor *t, int ndim, const int64_t *shape, const int64_t *stride, int64_t offset) {
    tg_ctx *tg = tg__start(t, "as_strided");
    tg__strided_attr at;
    int i;
    if (!tg) return NULL;
    memset(&at, 0, sizeof at);
    if (ndim < 0 || ndim > TG_MAX_DIMS) { tg__fail(tg, TG__E_NDIM, ndim); return NULL; }
    if (ndim && (!shape || !stride)) { tg__fail(tg, TG__E_NO_DATA, shape ? "strides" : "shape"); return NULL; }
    at.ndim = ndim; at.offset = offset;
    for (i = 0; i < ndim; i++) { at.shape[i] = shape[i]; at.stride[i] = stride[i]; }
    if (t->requires_grad && tg->grad_mode && tg__has_holes(t)) { tg__fail(tg, TG__E_HOLES, t); return NULL; }
    return tg__call(&tg__strided_op, &at, &t, 1, NULL, 1);
}

/* ------------------------------------------------------------------ detach ---- */
TG_API tg_tensor *(tg_detach)(tg_tensor *t) {
    tg_ctx *tg = tg__start(t, "detach");
    return tg ? tg__hold(tg, tg__alias(t)) : NULL;
}

/* ---- writing through a view ----
   After an in-place op on a view its base has a new value too: the old one with the view's part replaced. The
   base gets a node that says so, write_view, and the view becomes a view of that. Other views of the base
   notice by the base's count and get their new node when they are next used. */
TG__PRIVATE bool tg__write_view_backward(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    const tg__strided_attr *at = (const tg__strided_attr *)n->attr;
    tg_tensor *whole = tg__in_order(g[0], at), *part;
    if (!whole) return false;
    part = tg__call(&tg__strided_op, at, &whole, 1, NULL, 1);
    if (!part) return false;
    if (n->wants[0]) {
        /* which elements were replaced; a difference of gradients would make NaN of infinite ones */
        bool mode = tg_grad_mode(tg, false);
        tg_tensor *taken = tg_gt_scalar(tg__strided_add(tg_ones_like(part), at), 0);
        tg_grad_mode(tg, mode);
        dx[0] = tg_where(taken, tg_number(tg, 0), g[0]);
        if (!dx[0]) return false;
    }
    if (n->wants[1]) dx[1] = tg_clone(part);
    return tg->error == TG_OK;
}
static const tg_op tg__write_view_op = { TG__OP("write_view", TG__IN(2), TG__OUT(1), TG__NO_FLAGS), TG__NO_SAVES, TG__ATTRS(tg__strided),
    NULL, NULL, tg__write_view_backward, NULL };

TG__PRIVATE void tg__strided_of(const tg_tensor *view, tg__strided_attr *at) {
    const tg_tensor *base = view->base;
    int i;
    memset(at, 0, sizeof *at);
    at->ndim = view->ndim; at->of_ndim = base->ndim;
    at->offset = ((const char *)view->place - (const char *)base->place) / (int64_t)tg_dtype_size(view->dtype);
    for (i = 0; i < view->ndim; i++) { at->shape[i] = view->shape[i]; at->stride[i] = view->stride[i]; }
    for (i = 0; i < base->ndim; i++) { at->of_shape[i] = base->shape[i]; at->of_stride[i] = base->stride[i]; }
}
TG__PRIVATE tg__node *tg__view_node(tg_tensor *view) {
    tg__strided_attr at;
    tg__node *n, *from = tg__edge(view->base);
    if (!from) return NULL;
    if (tg__has_holes(view->base)) { tg__fail(view->tg, TG__E_HOLES, view->base); return NULL; }
    tg__strided_of(view, &at);
    n = tg__node_make(view->tg, &tg__strided_op, &at, 1, 1);
    if (!n) return NULL;
    n->serial = ++view->tg->node_serial;
    n->in[0] = NULL;
    tg__slot_fill(&n->in_slot[0], view->base);
    tg__slot_fill(&n->out_slot[0], view);
    n->in_slot[0].from = from; n->in_slot[0].from_out = view->base->out_index;
    from->count++;
    n->wants[0] = true;
    return n;
}
TG__PRIVATE bool tg__rebase(tg_tensor *view, tg__node *n) {
    tg_tensor *base = view->base;
    tg__strided_attr at;
    tg__node *w, *v;
    bool needed;
    tg__strided_of(view, &at);
    if (tg__needs_grad(base) && !tg__edge(base)) return false;
    w = tg__node_make(view->tg, &tg__write_view_op, &at, 2, 1);
    if (!w) return false;
    w->serial = ++view->tg->node_serial;
    w->in[0] = w->in[1] = NULL;
    tg__slot_fill(&w->in_slot[0], base); tg__slot_fill(&w->in_slot[1], view); tg__slot_fill(&w->out_slot[0], base);
    if (tg__needs_grad(base)) {
        tg__node *from = base->node;
        from->count++;
        w->in_slot[0].from = from; w->in_slot[0].from_out = base->out_index; w->wants[0] = true;
    }
    n->count++;
    w->in_slot[1].from = n; w->in_slot[1].from_out = 0; w->wants[1] = true;
    needed = base->requires_grad;
    tg__set_node(base, w, 0);
    tg__rewritten(base, needed);
    v = tg__view_node(view);
    if (!v) return false;
    tg__set_node(view, v, 0);
    view->rebased = base->rebased;
    return true;
}

/* ---- sharing between contexts ---- */
TG__PRIVATE bool tg__storage_share(tg_ctx *tg, tg__storage *s) {
    tg_hooks *h = &tg->config.hooks;
    tg__shared *b;
    tg_tensor *t;
    char *data;
    size_t size = s->bytes + TG__ALIGN;
#if !TG__HAS_ATOMICS
    return tg__fail(tg, TG__E_SHARE, "this compiler has no atomics");
#endif
    if (s->device != TG_CPU) return tg__fail(tg, TG__E_SHARE, "only host memory can be shared");
    b = (tg__shared *)tg__hook_alloc(tg, size);
    if (!b) return tg__fail_memory(tg, size);
    b->holders = 1; b->size = size; b->user = h->alloc_user; b->release = h->release;
    data = (char *)b + TG__ALIGN;
    if (s->bytes) memcpy(data, s->data, s->bytes);
    for (t = s->headers; t; t = t->next_alias) t->data = t->place = data + ((char *)t->place - (char *)s->data);
    if (s->own_block) { tg->memory.tensors -= s->bytes; tg__mem_put(tg, s->data, s->bytes); }
    else if (!s->borrowed) tg->memory.tensors -= s->bytes;
    s->own_block = s->borrowed = false;
    s->data = data;
    tg__shared_join(tg, s, b);
    return true;
}
TG_API tg_tensor *(tg_share)(tg_ctx *to, tg_tensor *t) {
    tg_ctx *tg = t ? tg__start(t, "share") : NULL;
    tg_tensor *v;
    tg__storage *s;
    int64_t none = 0;
    if ((t && !tg) || !tg__gate(to)) return NULL;
    to->where = "share";
    if (!t) { tg__fail(to, TG__E_NULL, 1); return NULL; }
    if (!t->storage->shared && !tg__storage_share(tg, t->storage)) return NULL;
    t->count++;                        /* the other context's memory hooks may call this one */
    v = tg__hold(to, tg__tensor_make(to, TG_CPU, t->dtype, 1, &none, NULL));
    if (!v) { tg__tensor_drop(t); return NULL; }
    s = v->storage;
    s->data = t->storage->data; s->bytes = t->storage->bytes;
    tg__shared_join(to, s, t->storage->shared);
    tg__atomic_add(&s->shared->holders, 1);
    v->data = v->place = t->data; v->numel = t->numel; v->ndim = t->ndim;
    if (t->ndim) {
        memcpy(v->shape, t->shape, (size_t)t->ndim * sizeof t->shape[0]);
        memcpy(v->stride, t->stride, (size_t)t->ndim * sizeof t->stride[0]);
    }
    tg__tensor_drop(t);
    return v;
}

TG_API bool (tg_swap)(tg_tensor *a, tg_tensor *b) {
    tg_ctx *tg = tg__start2(a, b, "swap");
    tg__storage *sa, *sb;
    void *data;
    int i;
    if (!tg) return false;
    if (a->dtype != b->dtype || a->device != b->device || !tg__same_shape(a, b))
        return tg__fail(tg, TG__E_SWAP, a, b);
    for (i = 0; i < 2; i++) {
        tg_tensor *t = i ? b : a;
        if (t->base || t->storage->users > 1 || !tg__is_leaf(t)) return tg__fail(tg, TG__E_SWAP_PLAIN, t);
        if (tg->grad_mode && t->requires_grad) return tg__fail(tg, TG__E_INPLACE_LEAF, t);
    }
    if (a == b) return true;
    sa = a->storage; sb = b->storage;
    tg__storage_leave(sa, a); tg__storage_leave(sb, b);
    tg__storage_take(sb, a); tg__storage_take(sa, b);
    data = a->data; a->data = b->data; b->data = data;
    data = a->place; a->place = b->place; b->place = data;
    for (i = 0; i < a->ndim; i++) {
        int64_t stride = a->stride[i];
        a->stride[i] = b->stride[i];
        b->stride[i] = stride;
    }
    /* a graph that saved either tensor sees a version that it does not know */
    sa->version = sb->version = sa->version > sb->version ? sa->version : sb->version;
    tg__touch(tg, a, "swap"); tg__touch(tg, b, "swap");
    return true;
}

/* ======================================================================================
   >>impl-reduce    sums, means, products, largest and smallest, with places; softmax
   A reduction is cut into pieces by its size alone: 16384 elements of a run, 512 rows of columns. A piece is
   summed in the type's own lanes (>>pass-reduce), pieces are added up in double, in order.
   ====================================================================================== */

#define TG__REDUCE_KERNELS(T, t) \
    TG__KERNEL(T, tg__run_sum_##t, (int64_t n, const T *x)); TG__KERNEL(T, tg__run_prod_##t, (int64_t n, const T *x)); \
    TG__KERNEL(T, tg__run_max_##t, (int64_t n, const T *x)); TG__KERNEL(T, tg__run_min_##t, (int64_t n, const T *x)); \
    TG__KERNEL(void, tg__columns_sum_##t, (int64_t rows, int64_t n, T *y, const T *x, int64_t stride)); TG__KERNEL(void, tg__columns_prod_##t, (int64_t rows, int64_t n, T *y, const T *x, int64_t stride)); \
    TG__KERNEL(void, tg__columns_max_##t, (int64_t rows, int64_t n, T *y, const T *x, int64_t stride)); TG__KERNEL(void, tg__columns_min_##t, (int64_t rows, int64_t n, T *y, const T *x, int64_t stride)); \
    TG__KERNEL(int64_t, tg__run_find_##t, (int64_t n, const T *x, T v)); TG__KERNEL(void, tg__softmax_row_##t, (int64_t n, T *y, const T *x, bool log)); \
    TG__KERNEL(T, tg__entropy_row_##t, (int64_t n, const T *x, int64_t c, T *row)); TG__KERNEL(void, tg__entropy_back_row_##t, (int64_t n, T *y, const T *x, int64_t c, const T *row, T g));
TG__REDUCE_KERNELS(float, f32)
TG__REDUCE_KERNELS(double, f64)
#undef TG__REDUCE_KERNELS

/* a reduced number: f for floats, i for integers */
typedef union tg__acc { double f; int64_t i; } tg__acc;

typedef struct tg__reduce_plan {
    tg__job  job;
    int      kind;
    tg_dtype compute, xd, yd;
    const char *x; char *y; int64_t *places;        /* places: NULL, or where to write indices */
    double   scale;                                 /* of the result: 1, or 1/n for a mean */
    bool     columns, direct;                       /* direct: the elements stand side by side in the computed type */
    int64_t  outs, length, piece, pieces;           /* results; elements of each; elements or rows of a piece */
    int64_t  segments;                              /* columns: TG__REDUCE_SEGMENT at once, so often per row of the result */
    int64_t  per;                                   /* runs: results per chunk */
    tg__acc *partial;                               /* [pieces, outs] where there is more than one piece */
    bool     second;
    tg__loop kept, run;                             /* kept: result, x, places; run: x alone */
} tg__reduce_plan;

#define TG__REDUCE_RUN_PIECE 16384
#define TG__REDUCE_ROWS 512
#define TG__REDUCE_SEGMENT 256
#define TG__REDUCE_JOIN 1024                        /* results whose pieces one chunk adds up */

TG__PRIVATE tg__acc tg__reduce_join(int kind, bool ints, tg__acc a, tg__acc b) {
    if (ints) {
        switch (kind) {
            case TG_REDUCE_SUM: a.i = (int64_t)((uint64_t)a.i + (uint64_t)b.i); break;
            case TG_REDUCE_PROD: a.i = (int64_t)((uint64_t)a.i * (uint64_t)b.i); break;
            case TG_REDUCE_MAX:
                if (b.i > a.i) a.i = b.i;
                break;
            default:
                if (b.i < a.i) a.i = b.i;
                break;
        }
    } else switch (kind) {
        case TG_REDUCE_SUM: a.f += b.f; break;
        case TG_REDUCE_PROD: a.f *= b.f; break;
        case TG_REDUCE_MAX:
            if (!tg__is_nan(a.f) && (tg__is_nan(b.f) || b.f > a.f)) a.f = b.f;
            break;
        default:
            if (!tg__is_nan(a.f) && (tg__is_nan(b.f) || b.f < a.f)) a.f = b.f;
            break;
    }
    return a;
}
TG__PRIVATE tg__acc tg__reduce_neutral(int kind, bool ints) {
    tg__acc a;
    if (ints) a.i = kind == TG_REDUCE_PROD; else a.f = kind == TG_REDUCE_PROD ? 1 : 0;
    return a;
}
/* n numbers side by side to one. */
TG__PRIVATE tg__acc tg__reduce_run(int isa, int kind, tg_dtype compute, int64_t n, const void *x) {
    tg__acc a = tg__reduce_neutral(kind, compute == TG_I64);
    if (n == 0) return a;
    if (compute == TG_F32) {
        const float *p = (const float *)x;
        a.f = (double)(kind == TG_REDUCE_SUM ? tg__run_sum_f32__k[isa](n, p)
                       : kind == TG_REDUCE_PROD ? tg__run_prod_f32__k[isa](n, p)
                       : kind == TG_REDUCE_MAX ? tg__run_max_f32__k[isa](n, p) : tg__run_min_f32__k[isa](n, p));
    } else if (compute == TG_F64) {
        const double *p = (const double *)x;
        a.f = kind == TG_REDUCE_SUM ? tg__run_sum_f64__k[isa](n, p)
              : kind == TG_REDUCE_PROD ? tg__run_prod_f64__k[isa](n, p)
              : kind == TG_REDUCE_MAX ? tg__run_max_f64__k[isa](n, p) : tg__run_min_f64__k[isa](n, p);
    } else {
        const int64_t *p = (const int64_t *)x;
        int64_t i;
        tg__acc b;
        a.i = p[0];
        for (i = 1; i < n; i++) { b.i = p[i]; a = tg__reduce_join(kind, true, a, b); }
    }
    return a;
}
TG__PRIVATE int64_t tg__reduce_find(int isa, tg_dtype compute, int64_t n, const void *x, tg__acc v) {
    int64_t i;
    if (compute == TG_F32) return tg__run_find_f32__k[isa](n, (const float *)x, (float)v.f);
    if (compute == TG_F64) return tg__run_find_f64__k[isa](n, (const double *)x, v.f);
    for (i = 0; i < n && ((const int64_t *)x)[i] != v.i; i++) { }
    return i;
}
TG__PRIVATE void tg__reduce_put(const tg__reduce_plan *j, int64_t o, tg__acc a) {
    bool ints = j->compute == TG_I64;
    int64_t at = tg__loop_offset(&j->kept, 0, o, NULL);
    if (!j->y) return;
    tg__put_scalar(j->y + at * (int64_t)tg_dtype_size(j->yd), j->yd, ints ? 0 : a.f * j->scale, ints ? a.i : 0, ints);
}

TG__PRIVATE void tg__reduce_run_chunk(tg__reduce_plan *j, int64_t index) {
    int64_t q = index % j->pieces, o = index / j->pieces * j->per, end = tg__imin(o + j->per, j->outs),
            first = q * j->piece, n = tg__imin(j->piece, j->length - first);
    size_t size = tg_dtype_size(j->xd);
    int slot = -1;
    void *tile = j->direct ? NULL : tg__scratch_take(j->job.tg, &slot);
    for (; o < end; o++) {
        const char *x = j->x + tg__loop_offset(&j->kept, 1, o, NULL) * (int64_t)size;
        const void *p = j->direct ? (const void *)(x + first * (int64_t)size) : (const void *)tile;
        tg__acc a;
        if (!j->direct)
            tg__loop_tile(&j->run, 0, j->job.tg->isa, first, n, j->compute, tile,
                (char *)(uintptr_t)x, j->xd, false);
        a = tg__reduce_run(j->job.tg->isa, j->kind, j->compute, n, p);
        if (j->places) j->places[tg__loop_offset(&j->kept, 2, o, NULL)] = tg__reduce_find(j->job.tg->isa, j->compute, n, p, a);
        if (j->pieces > 1) j->partial[q * j->outs + o] = a; else tg__reduce_put(j, o, a);
    }
    if (tile) tg__scratch_give(j->job.tg, slot);
}

TG__PRIVATE void tg__reduce_columns_chunk(tg__reduce_plan *j, int64_t index) {
    const tg__loop *k = &j->kept;
    int64_t q = index % j->pieces, s = index / j->pieces, width = k->shape[k->ndim - 1],
            row = s / j->segments, c = s % j->segments * TG__REDUCE_SEGMENT;
    int64_t n = tg__imin(TG__REDUCE_SEGMENT, width - c), o = row * width + c,
            r = q * j->piece, end = tg__imin(r + j->piece, j->length), i;
    size_t size = tg_dtype_size(j->xd);
    const char *x = j->x + tg__loop_offset(k, 1, o, NULL) * (int64_t)size;
    int slot, isa = j->job.tg->isa;
    char *acc = (char *)tg__scratch_take(j->job.tg, &slot), *tile = acc + TG__REDUCE_SEGMENT * 8;
    bool first = true;
    /* rows that lie a constant step apart together, else one by one */
    while (r < end) {
        int64_t column = 0, off = tg__loop_offset(&j->run, 0, r, &column),
                rows = tg__imin(end - r, j->run.shape[j->run.ndim - 1] - column),
                step = j->run.stride[0][j->run.ndim - 1];
        const char *p = x + off * (int64_t)size;
        if (first) { tg__load(isa, j->compute, n, acc, p, 1, j->xd); first = false; r++; continue; }
        if (j->xd != j->compute) { tg__load(isa, j->compute, n, tile, p, 1, j->xd); p = tile; rows = 1; }
        if (j->compute == TG_F32) {
            float *y = (float *)(void *)acc; const float *v = (const float *)(const void *)p;
            switch (j->kind) {
                case TG_REDUCE_SUM: tg__columns_sum_f32__k[isa](rows, n, y, v, step); break;
                case TG_REDUCE_PROD: tg__columns_prod_f32__k[isa](rows, n, y, v, step); break;
                case TG_REDUCE_MAX: tg__columns_max_f32__k[isa](rows, n, y, v, step); break;
                default: tg__columns_min_f32__k[isa](rows, n, y, v, step); break;
            }
        } else if (j->compute == TG_F64) {
            double *y = (double *)(void *)acc; const double *v = (const double *)(const void *)p;
            switch (j->kind) {
                case TG_REDUCE_SUM: tg__columns_sum_f64__k[isa](rows, n, y, v, step); break;
                case TG_REDUCE_PROD: tg__columns_prod_f64__k[isa](rows, n, y, v, step); break;
                case TG_REDUCE_MAX: tg__columns_max_f64__k[isa](rows, n, y, v, step); break;
                default: tg__columns_min_f64__k[isa](rows, n, y, v, step); break;
            }
        } else {
            tg__acc *y = (tg__acc *)(void *)acc; const int64_t *v = (const int64_t *)(const void *)p;
            int64_t t;
            for (t = 0; t < rows; t++) for (i = 0; i < n; i++) {
                tg__acc b;
                b.i = v[t * step + i];
                y[i] = tg__reduce_join(j->kind, true, y[i], b);
            }
        }
        r += rows;
    }
    for (i = 0; i < n; i++) {
        tg__acc a;
        if (j->compute == TG_F32) a.f = (double)((float *)(void *)acc)[i]; else a = ((tg__acc *)(void *)acc)[i];
        if (j->pieces > 1) j->partial[q * j->outs + o + i] = a; else tg__reduce_put(j, o + i, a);
    }
    tg__scratch_give(j->job.tg, slot);
}

TG__PRIVATE void tg__reduce_chunk(void *plan, int64_t index) {
    tg__reduce_plan *j = (tg__reduce_plan *)plan;
    if (j->second) {
        int64_t o = index * TG__REDUCE_JOIN, end = tg__imin(o + TG__REDUCE_JOIN, j->outs), q;
        for (; o < end; o++) {
            tg__acc a = j->partial[o];
            for (q = 1; q < j->pieces; q++)
                a = tg__reduce_join(j->kind, j->compute == TG_I64, a, j->partial[q * j->outs + o]);
            tg__reduce_put(j, o, a);
        }
    } else if (j->columns) tg__reduce_columns_chunk(j, index);
    else tg__reduce_run_chunk(j, index);
}

/* The kept and the reduced dimensions as walks of their own. Places count in row-major order: no sorting by stride. */
TG__PRIVATE void tg__reduce_walks(tg__reduce_plan *j) {
    const tg_operand *o = j->job.o;
    const int64_t mask = j->job.r->whole[0];
    tg_operand kept[3], run = o[2];
    int d, k;
    kept[0] = o[o[0].use == TG_ABSENT ? 1 : 0]; kept[1] = o[2]; kept[2] = o[1];
    for (d = o[2].ndim - 1; d >= 0; d--) {
        if (mask >> d & 1) for (k = 0; k < 3; k++) tg__operand_without(&kept[k], d);
        else tg__operand_without(&run, d);
    }
    j->outs = tg__operand_numel(&kept[0]); j->length = tg__operand_numel(&run);
    tg__loop_make(&j->kept, kept, 3);
    if (!j->places) { tg__loop_make(&j->run, &run, 1); return; }
    j->run.numel = j->length; j->run.ndim = 0;
    for (d = 0; d < run.ndim; d++) {
        int at = j->run.ndim;
        if (run.shape[d] == 1) continue;
        if (at && j->run.stride[0][at - 1] == run.stride[d] * run.shape[d]) {
            j->run.shape[at - 1] *= run.shape[d];
            j->run.stride[0][at - 1] = run.stride[d];
            continue;
        }
        j->run.shape[at] = run.shape[d]; j->run.stride[0][at] = run.stride[d]; j->run.ndim++;
    }
    if (!j->run.ndim) { j->run.ndim = 1; j->run.shape[0] = 1; j->run.stride[0][0] = 1; }
}

TG__PRIVATE int64_t tg__reduce_start(tg_ctx *tg, int phase, void *plan) {
    tg__reduce_plan *j = (tg__reduce_plan *)plan;
    size_t bytes;
    if (phase == 0) {
        const tg_request *r = j->job.r;
        j->kind = r->kind; j->compute = r->compute; j->scale = r->number[0];
        j->y = j->job.at[0]; j->places = (int64_t *)(void *)j->job.at[1]; j->x = j->job.at[2];
        j->yd = j->job.o[0].dtype; j->xd = j->job.o[2].dtype;
        tg__reduce_walks(j);
        j->partial = NULL; j->second = false;
        if (j->outs == 0) return 0;
        const int last = j->kept.ndim - 1;
        /* results side by side in x, and the reduced elements not: whole rows are added */
        j->columns = !j->places && j->length > 0 && j->outs > 1 && j->kept.stride[1][last] == 1
            && j->kept.shape[last] >= 4 && j->run.stride[0][j->run.ndim - 1] != 1;
        if (j->columns) {
            j->segments = tg__ceil_div(j->kept.shape[last], TG__REDUCE_SEGMENT);
            j->piece = TG__REDUCE_ROWS;
        } else j->piece = j->places ? (j->length ? j->length : 1) : TG__REDUCE_RUN_PIECE;
        j->pieces = j->length > j->piece ? tg__ceil_div(j->length, j->piece) : 1;
        j->per = j->pieces > 1 ? 1 : tg__imax(1, TG__REDUCE_RUN_PIECE / (j->length + 8));
        if (j->columns && !tg__scratch_need(tg, TG__REDUCE_SEGMENT * 16)) return -1;
        j->direct = j->run.ndim == 1 && (j->run.stride[0][0] == 1 || j->length == 1) && j->xd == j->compute;
        if (!j->columns && !j->direct &&
            !tg__scratch_need(tg, (size_t)tg__imin(j->piece, tg__imax(j->length, 1)) * 8)) return -1;
        if (j->pieces > 1) {
            bytes = (size_t)j->pieces * (size_t)j->outs * sizeof(tg__acc);
            j->partial = (tg__acc *)tg__mem_get(tg, bytes);
            if (!j->partial) return -1;
        }
        return j->columns ? j->outs / j->kept.shape[last] * j->segments * j->pieces
            : tg__ceil_div(j->outs, j->per) * j->pieces;
    }
    if (phase == 1 && j->pieces > 1 && j->outs) { j->second = true; return tg__ceil_div(j->outs, TG__REDUCE_JOIN); }
    bytes = (size_t)j->pieces * (size_t)j->outs * sizeof(tg__acc);
    if (j->partial) { tg__mem_put(tg, j->partial, bytes); j->partial = NULL; }
    return 0;
}
TG__FAMILY(reduce, false);

/* Reduces x over the dimensions in `mask`. y and places (one may be NULL) have the kept shape, with or without the
   ones. */
TG__PRIVATE void tg__ask_reduced(tg__ask *a, tg_tensor *t, const tg_tensor *x, unsigned mask) {
    tg_operand *o = tg__ask_for(a, t, TG_WRITE);
    int d, k = 0;
    if (!t) return;
    if (t->ndim < x->ndim)
        for (d = x->ndim - 1, k = t->ndim - 1; d >= 0; d--) {
            const bool gone = mask >> d & 1u;
            o->shape[d] = gone ? 1 : t->shape[k];
            o->stride[d] = gone ? 0 : t->stride[k];
            k -= !gone;
        }
    o->ndim = x->ndim;
}
TG__PRIVATE bool tg__reduce(tg_ctx *tg, int kind, tg_tensor *x, unsigned mask,
    tg_tensor *y, tg_tensor *places, double scale) {
    tg__ask a;
    tg__ask_begin(&a, TG_FAMILY_REDUCE, kind, tg__compute_type(x->dtype));
    a.r.whole[0] = mask; a.r.number[0] = scale;
    tg__ask_reduced(&a, y, x, mask);
    tg__ask_reduced(&a, places, x, mask);
    tg__ask_for(&a, x, TG_READ);
    return tg__launch(&a, tg, &tg__family_reduce, NULL);
}

/* ---- dims of a reduction ---- */
/* n 0: all dimensions */
typedef struct tg__reduce_attr { int64_t n, dims[TG_MAX_DIMS]; bool keepdim; } tg__reduce_attr;
static const tg_attr tg__reduce_attrs[] = {
    TG__ATTR_INTS(tg__reduce_attr, dims, n), TG__ATTR(tg__reduce_attr, keepdim, BOOL)
};

TG__PRIVATE bool tg__reduce_attr_fill(tg_ctx *tg, tg__reduce_attr *at, int n, const int64_t *dims, bool keepdim) {
    memset(at, 0, sizeof *at);
    if (n < 0 || n > TG_MAX_DIMS) return tg__fail(tg, TG__E_NDIM, n);
    if (n && !dims) return tg__fail(tg, TG__E_NO_DATA, "dims");
    at->n = n; at->keepdim = keepdim;
    if (n) memcpy(at->dims, dims, (size_t)n * sizeof dims[0]);
    return true;
}
TG__PRIVATE bool tg__reduce_mask(tg_ctx *tg, const tg_tensor *x, const tg__reduce_attr *at, unsigned *mask) {
    int i;
    *mask = 0;
    if (at->n == 0) { *mask = (1u << x->ndim) - 1u; return true; }
    for (i = 0; i < (int)at->n; i++) {
        int64_t d = at->dims[i];
        if (!tg__wrap_dim(tg, x, &d, x->ndim)) return false;
        if (*mask >> d & 1u) return tg__fail(tg, TG__E_DIM_TWICE, d);
        *mask |= 1u << d;
    }
    if (x->ndim == 0) *mask = 0;
    return true;
}
TG__PRIVATE int tg__reduced_shape(const tg_tensor *x, unsigned mask, bool keepdim, int64_t *shape) {
    int d, n = 0;
    for (d = 0; d < x->ndim; d++) {
        if (!(mask >> d & 1u)) shape[n++] = x->shape[d]; else if (keepdim) shape[n++] = 1;
    }
    return n;
}
TG__PRIVATE bool tg__reduce_out(tg_ctx *tg, tg__node *n, int i, tg_dtype dtype, bool needs_elements) {
    const tg__reduce_attr *at = (const tg__reduce_attr *)n->attr;
    const tg_tensor *x = n->in[0];
    int64_t shape[TG_MAX_DIMS], numel = 1;
    unsigned mask;
    int d, ndim;
    if (!tg__reduce_mask(tg, x, at, &mask)) return false;
    ndim = tg__reduced_shape(x, mask, at->keepdim, shape);
    for (d = 0; d < ndim; d++) numel *= shape[d];
    if (needs_elements && (numel || at->n == 0))
        for (d = 0; d < x->ndim; d++)
            if ((mask >> d & 1u) && x->shape[d] == 0) return tg__fail(tg, TG__E_REDUCE_EMPTY, d, x);
    return tg__out_make(tg, n, i, dtype, ndim, shape);
}
/* g or y in the shape that keepdim would have given, ready to broadcast against the input. */
TG__PRIVATE tg_tensor *tg__reduce_widen(tg_ctx *tg, const tg__node *n, tg_tensor *t) {
    const tg__reduce_attr *at = (const tg__reduce_attr *)n->attr;
    const tg__slot *s = &n->in_slot[0];
    tg_tensor x;
    int64_t shape[TG_MAX_DIMS];
    unsigned mask;
    memset(&x, 0, sizeof x);
    x.ndim = s->ndim;
    memcpy(x.shape, s->shape, sizeof x.shape);
    if (!tg__reduce_mask(tg, &x, at, &mask)) return NULL;
    return tg_reshape(t, tg__reduced_shape(&x, mask, true, shape), shape);
}
/* The op's kind is the request's. */
TG__PRIVATE bool tg__reduce_forward(tg_ctx *tg, tg__node *n) {
    unsigned mask;
    return tg__reduce_mask(tg, n->in[0], (const tg__reduce_attr *)n->attr, &mask) &&
        tg__reduce(tg, n->op->kind, n->in[0], mask, n->out[0], NULL, 1);
}
TG__PRIVATE tg_tensor *tg__reduce_call(const tg_op *op, const char *name, tg_tensor *x,
    int n, const int64_t *dims, bool keepdim) {
    tg_ctx *tg = tg__start(x, name);
    tg__reduce_attr at;
    return tg && tg__reduce_attr_fill(tg, &at, n, dims, keepdim) ? tg__call(op, &at, &x, 1, NULL, 1) : NULL;
}
TG__PRIVATE int64_t tg__reduce_count(const tg_tensor *x, unsigned mask) {
    int64_t c = 1;
    int d;
    for (d = 0; d < x->ndim; d++) if (mask >> d & 1u) c *= x->shape[d];
    return c;
}

/* ------------------------------------------------------------------ sum, mean ----
   y = sum of x over dims; dx = g repeated. mean: both divided by the number of elements. Integers and bools
   are summed as i64. */
TG__PRIVATE bool tg__sum_check(tg_ctx *tg, tg__node *n) {
    return tg__reduce_out(tg, n, 0, tg_dtype_is_float(n->in[0]->dtype) ? n->in[0]->dtype : TG_I64, false);
}
TG__PRIVATE bool tg__sum_backward(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    dx[0] = tg_expand(tg__reduce_widen(tg, n, g[0]), n->in_slot[0].ndim, n->in_slot[0].shape);
    return dx[0] != NULL;
}
static const tg_op tg__sum_op = { TG__OP_KIND("sum", TG__IN(1), TG__OUT(1), TG__NO_FLAGS, TG_REDUCE_SUM), TG__NO_SAVES, TG__ATTRS(tg__reduce),
    tg__sum_check, tg__reduce_forward, tg__sum_backward, NULL };
TG_API tg_tensor *(tg_sum)(tg_tensor *x) { return tg__reduce_call(&tg__sum_op, "sum", x, 0, NULL, false); }
TG_API tg_tensor *(tg_sum_dims)(tg_tensor *x, int n, const int64_t *dims, bool keepdim) {
    return tg__reduce_call(&tg__sum_op, "sum", x, n, dims, keepdim);
}

TG__PRIVATE bool tg__mean_check(tg_ctx *tg, tg__node *n) {
    if (!tg_dtype_is_float(n->in[0]->dtype)) return tg__fail(tg, TG__E_FLOAT_ONLY, n->in[0]);
    return tg__reduce_out(tg, n, 0, n->in[0]->dtype, false);
}
TG__PRIVATE bool tg__mean_forward(tg_ctx *tg, tg__node *n) {
    unsigned mask;
    int64_t c;
    if (!tg__reduce_mask(tg, n->in[0], (const tg__reduce_attr *)n->attr, &mask)) return false;
    c = tg__reduce_count(n->in[0], mask);
    return tg__reduce(tg, TG_REDUCE_SUM, n->in[0], mask, n->out[0], NULL, c ? 1.0 / (double)c : tg__nan());
}
TG__PRIVATE bool tg__mean_backward(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    int64_t all = 1, out = 1;
    int d;
    for (d = 0; d < n->in_slot[0].ndim; d++) all *= n->in_slot[0].shape[d];
    for (d = 0; d < n->out_slot[0].ndim; d++) out *= n->out_slot[0].shape[d];
    dx[0] = tg_expand(tg_mul_scalar(tg__reduce_widen(tg, n, g[0]), all ? (double)out / (double)all : 0),
        n->in_slot[0].ndim, n->in_slot[0].shape);
    return dx[0] != NULL;
}
static const tg_op tg__mean_op = { TG__OP("mean", TG__IN(1), TG__OUT(1), TG__NO_FLAGS), TG__NO_SAVES, TG__ATTRS(tg__reduce),
    tg__mean_check, tg__mean_forward, tg__mean_backward, NULL };
TG_API tg_tensor *(tg_mean)(tg_tensor *x) { return tg__reduce_call(&tg__mean_op, "mean", x, 0, NULL, false); }
TG_API tg_tensor *(tg_mean_dims)(tg_tensor *x, int n, const int64_t *dims, bool keepdim) {
    return tg__reduce_call(&tg__mean_op, "mean", x, n, dims, keepdim);
}

/* ------------------------------------------------------------------ prod ----
   y = product over dims. dx_i = g * the product of the others, without a division: a factor may be 0. */
TG__PRIVATE tg_tensor *tg__prod_others(tg_ctx *tg, tg__node *n, tg_tensor *x);
TG__PRIVATE bool tg__prod_backward(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    dx[0] = tg_mul(tg__reduce_widen(tg, n, g[0]), tg__prod_others(tg, n, n->in[0]));
    return dx[0] != NULL;
}
static const tg_op tg__prod_op = { TG__OP_KIND("prod", TG__IN(1), TG__OUT(1), TG__NO_FLAGS, TG_REDUCE_PROD), TG__SAVES(TG_SAVE_IN(0)), TG__ATTRS(tg__reduce),
    tg__sum_check, tg__reduce_forward, tg__prod_backward, NULL };
/* The product of the others as tg calls: exclusive products from the left and from the right, by doubling
   (log2(n) steps), so that zeros need no special case and every derivative is right.
   x [R, K] -> product of the rows before (after) each. */
TG__PRIVATE tg_tensor *tg__prod_side(tg_ctx *tg, tg_tensor *x, bool from_right) {
    int64_t rows = x->shape[0], one[2], s;
    tg_tensor *list[2], *p;
    one[0] = 1; one[1] = x->shape[1];
    list[from_right] = tg__full_beside(tg, x, x->dtype, 2, one, 1);
    list[!from_right] = tg_narrow(x, 0, from_right ? 1 : 0, rows - 1);
    p = tg_cat(list, 2, 0);
    for (s = 1; s < rows && p; s *= 2) {
        one[0] = s;
        list[from_right] = tg__full_beside(tg, x, x->dtype, 2, one, 1);
        list[!from_right] = tg_narrow(p, 0, from_right ? s : 0, rows - s);
        p = tg_mul(p, tg_cat(list, 2, 0));
    }
    return p;
}
TG__PRIVATE tg_tensor *tg__prod_others(tg_ctx *tg, tg__node *n, tg_tensor *x) {
    const tg__reduce_attr *at = (const tg__reduce_attr *)n->attr;
    int64_t dims[TG_MAX_DIMS], back[TG_MAX_DIMS], shape[TG_MAX_DIMS], flat[2];
    unsigned mask;
    int d, k = 0;
    tg_tensor *p;
    if (x->numel == 0) return tg_ones_like(x);
    if (!tg__reduce_mask(tg, x, at, &mask)) return NULL;
    flat[0] = flat[1] = 1;
    for (d = 0; d < x->ndim; d++) if (mask >> d & 1u) { dims[k++] = d; flat[0] *= x->shape[d]; }
    for (d = 0; d < x->ndim; d++) if (!(mask >> d & 1u)) { dims[k++] = d; flat[1] *= x->shape[d]; }
    for (d = 0; d < x->ndim; d++) { back[dims[d]] = d; shape[d] = x->shape[dims[d]]; }
    p = tg_reshape(tg_permute(x, x->ndim, dims), 2, flat);
    if (!p) return NULL;
    p = tg_mul(tg__prod_side(tg, p, false), tg__prod_side(tg, p, true));
    return tg_permute(tg_reshape(p, x->ndim, shape), x->ndim, back);
}
TG_API tg_tensor *(tg_prod)(tg_tensor *x) { return tg__reduce_call(&tg__prod_op, "prod", x, 0, NULL, false); }
TG_API tg_tensor *(tg_prod_dim)(tg_tensor *x, int64_t dim, bool keepdim) {
    return tg__reduce_call(&tg__prod_op, "prod", x, 1, &dim, keepdim);
}

/* ------------------------------------------------------------------ amax, amin ----
   y = largest (smallest) over dims, NaN wins; dx = g shared evenly among the elements equal to y. */
TG__PRIVATE bool tg__amax_check(tg_ctx *tg, tg__node *n) { return tg__reduce_out(tg, n, 0, n->in[0]->dtype, true); }
TG__PRIVATE bool tg__share_evenly(tg_ctx *tg, tg__node *n, tg_tensor *same, tg_tensor *g, tg_tensor **dx) {
    const tg__reduce_attr *at = (const tg__reduce_attr *)n->attr;
    tg_tensor *count;
    same = tg_to(same, n->in_slot[0].dtype);
    count = tg_sum_dims(same, (int)at->n, at->dims, true);
    if (at->n == 0 && count) count = tg__reduce_widen(tg, n, count);
    *dx = tg_mul(tg_div(same, count), tg__reduce_widen(tg, n, g));
    return *dx != NULL;
}
TG__PRIVATE bool tg__amax_backward(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    return tg__share_evenly(tg, n, tg_eq(n->in[0], tg__reduce_widen(tg, n, n->out[0])), g[0], dx);
}
/* As torch has it: where max is NaN its NaNs share the gradient; that of amax is NaN. */
TG__PRIVATE bool tg__max_backward(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    tg_tensor *same = tg_eq(n->in[0], tg__reduce_widen(tg, n, n->out[0]));
    return tg__share_evenly(tg, n, tg_logical_or(same, tg_isnan(n->in[0])), g[0], dx);
}
static const tg_op tg__amax_op = { TG__OP_KIND("amax", TG__IN(1), TG__OUT(1), TG__NO_FLAGS, TG_REDUCE_MAX), TG__SAVES(TG_SAVE_IN(0) | TG_SAVE_OUT(0)), TG__ATTRS(tg__reduce),
    tg__amax_check, tg__reduce_forward, tg__amax_backward, NULL };
static const tg_op tg__amin_op = { TG__OP_KIND("amin", TG__IN(1), TG__OUT(1), TG__NO_FLAGS, TG_REDUCE_MIN), TG__SAVES(TG_SAVE_IN(0) | TG_SAVE_OUT(0)), TG__ATTRS(tg__reduce),
    tg__amax_check, tg__reduce_forward, tg__amax_backward, NULL };
TG_API tg_tensor *(tg_amax)(tg_tensor *x) { return tg_amax_dims(x, 0, NULL, false); }
TG_API tg_tensor *(tg_amax_dims)(tg_tensor *x, int n, const int64_t *dims, bool keepdim) {
    return tg__reduce_call(&tg__amax_op, "amax", x, n, dims, keepdim);
}
TG_API tg_tensor *(tg_amin)(tg_tensor *x) { return tg_amin_dims(x, 0, NULL, false); }
TG_API tg_tensor *(tg_amin_dims)(tg_tensor *x, int n, const int64_t *dims, bool keepdim) {
    return tg__reduce_call(&tg__amin_op, "amin", x, n, dims, keepdim);
}
static const tg_op tg__max_op = { TG__OP_KIND("max", TG__IN(1), TG__OUT(1), TG__NO_FLAGS, TG_REDUCE_MAX), TG__SAVES(TG_SAVE_IN(0) | TG_SAVE_OUT(0)), TG__ATTRS(tg__reduce),
    tg__amax_check, tg__reduce_forward, tg__max_backward, NULL };
static const tg_op tg__min_op = { TG__OP_KIND("min", TG__IN(1), TG__OUT(1), TG__NO_FLAGS, TG_REDUCE_MIN), TG__SAVES(TG_SAVE_IN(0) | TG_SAVE_OUT(0)), TG__ATTRS(tg__reduce),
    tg__amax_check, tg__reduce_forward, tg__max_backward, NULL };
TG_API tg_tensor *(tg_max)(tg_tensor *x) { return tg__reduce_call(&tg__max_op, "max", x, 0, NULL, false); }
TG_API tg_tensor *(tg_min)(tg_tensor *x) { return tg__reduce_call(&tg__min_op, "min", x, 0, NULL, false); }

/* ------------------------------------------------------------------ max_dim, min_dim, argmax, argmin ----
   y = largest along dim and its first place; dx = g put at that place. The places have no gradient. */
TG__PRIVATE bool tg__max_dim_check(tg_ctx *tg, tg__node *n) {
    return tg__reduce_out(tg, n, 0, n->in[0]->dtype, true) && tg__reduce_out(tg, n, 1, TG_I64, true);
}
/* values and places, or, for argmax, the places alone */
TG__PRIVATE bool tg__max_dim_forward(tg_ctx *tg, tg__node *n) {
    unsigned mask;
    return tg__reduce_mask(tg, n->in[0], (const tg__reduce_attr *)n->attr, &mask) &&
        tg__reduce(tg, n->op->kind, n->in[0], mask, n->n_out > 1 ? n->out[0] : NULL, n->out[n->n_out - 1], 1);
}
TG__PRIVATE bool tg__max_dim_backward(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    const tg__reduce_attr *at = (const tg__reduce_attr *)n->attr;
    tg_tensor *zeros;
    if (!g[0]) return true;
    zeros = tg__full_beside(tg, g[0], n->in_slot[0].dtype, n->in_slot[0].ndim, n->in_slot[0].shape, 0);
    dx[0] = tg_scatter(zeros, at->dims[0], tg__reduce_widen(tg, n, n->out[1]), tg__reduce_widen(tg, n, g[0]));
    return dx[0] != NULL;
}
static const tg_op tg__max_dim_op = { TG__OP_KIND("max_dim", TG__IN(1), TG__OUT(2), TG__NO_FLAGS, TG_REDUCE_MAX), TG__SAVES(TG_SAVE_OUT(1)), TG__ATTRS(tg__reduce),
    tg__max_dim_check, tg__max_dim_forward, tg__max_dim_backward, NULL };
static const tg_op tg__min_dim_op = { TG__OP_KIND("min_dim", TG__IN(1), TG__OUT(2), TG__NO_FLAGS, TG_REDUCE_MIN), TG__SAVES(TG_SAVE_OUT(1)), TG__ATTRS(tg__reduce),
    tg__max_dim_check, tg__max_dim_forward, tg__max_dim_backward, NULL };
TG__PRIVATE tg_tensor *tg__max_dim_call(const tg_op *op, tg_tensor *x, int64_t dim, bool keepdim, tg_tensor **indices) {
    tg_ctx *tg = tg__start(x, op->name);
    tg__reduce_attr at;
    tg_tensor *outs[2];
    if (indices) *indices = NULL;
    if (!tg || !tg__reduce_attr_fill(tg, &at, 1, &dim, keepdim)) return NULL;
    if (!tg__call(op, &at, &x, 1, outs, 2)) return NULL;
    if (indices) *indices = outs[1];
    return outs[0];
}
TG_API tg_tensor *(tg_max_dim)(tg_tensor *x, int64_t dim, bool keepdim, tg_tensor **indices) {
    return tg__max_dim_call(&tg__max_dim_op, x, dim, keepdim, indices);
}
TG_API tg_tensor *(tg_min_dim)(tg_tensor *x, int64_t dim, bool keepdim, tg_tensor **indices) {
    return tg__max_dim_call(&tg__min_dim_op, x, dim, keepdim, indices);
}

TG__PRIVATE bool tg__argmax_check(tg_ctx *tg, tg__node *n) {
    if (n->in[0]->dtype == TG_BOOL) return tg__fail(tg, TG__E_NOT_FOR, (int)TG_BOOL);
    return tg__reduce_out(tg, n, 0, TG_I64, true);
}
static const tg_op tg__argmax_op = { TG__OP_KIND("argmax", TG__IN(1), TG__OUT(1), TG_OP_NO_GRAD, TG_REDUCE_MAX), TG__NO_SAVES, TG__ATTRS(tg__reduce),
    tg__argmax_check, tg__max_dim_forward, NULL, NULL };
static const tg_op tg__argmin_op = { TG__OP_KIND("argmin", TG__IN(1), TG__OUT(1), TG_OP_NO_GRAD, TG_REDUCE_MIN), TG__NO_SAVES, TG__ATTRS(tg__reduce),
    tg__argmax_check, tg__max_dim_forward, NULL, NULL };
TG_API tg_tensor *(tg_argmax)(tg_tensor *x) { return tg__reduce_call(&tg__argmax_op, "argmax", x, 0, NULL, false); }
TG_API tg_tensor *(tg_argmin)(tg_tensor *x) { return tg__reduce_call(&tg__argmin_op, "argmin", x, 0, NULL, false); }
TG_API tg_tensor *(tg_argmax_dim)(tg_tensor *x, int64_t dim, bool keepdim) {
    return tg__reduce_call(&tg__argmax_op, "argmax", x, 1, &dim, keepdim);
}
TG_API tg_tensor *(tg_argmin_dim)(tg_tensor *x, int64_t dim, bool keepdim) {
    return tg__reduce_call(&tg__argmin_op, "argmin", x, 1, &dim, keepdim);
}

/* ------------------------------------------------------------------ any, all ----
   As the largest or smallest of x != 0; nothing at all is false for any, true for all. */
TG__PRIVATE tg_tensor *tg__any_call(tg_tensor *x, int n, const int64_t *dims, bool keepdim, bool all) {
    tg_ctx *tg = tg__start(x, all ? "all" : "any");
    tg__reduce_attr at;
    unsigned mask;
    int64_t shape[TG_MAX_DIMS];
    int ndim;
    if (!tg || !tg__reduce_attr_fill(tg, &at, n, dims, keepdim) || !tg__reduce_mask(tg, x, &at, &mask)) return NULL;
    if (x->ndim && tg__reduce_count(x, mask) == 0) {
        ndim = tg__reduced_shape(x, mask, keepdim, shape);
        return tg__full_beside(tg, x, x->dtype == TG_U8 ? TG_U8 : TG_BOOL, ndim, shape, all);
    }
    {
        bool outermost = tg__compose(tg);
        tg_tensor *y = x->dtype == TG_BOOL ? x : tg_ne_scalar(x, 0);
        y = all ? tg_amin_dims(y, n, dims, keepdim) : tg_amax_dims(y, n, dims, keepdim);
        return tg__composed(tg, outermost, x->dtype == TG_U8 ? tg_to(y, TG_U8) : y);       /* u8 stays u8, as in torch */
    }
}
TG_API tg_tensor *(tg_any)(tg_tensor *x) { return tg_any_dims(x, 0, NULL, false); }
TG_API tg_tensor *(tg_any_dims)(tg_tensor *x, int n, const int64_t *dims, bool keepdim) {
    return tg__any_call(x, n, dims, keepdim, false);
}
TG_API tg_tensor *(tg_all)(tg_tensor *x) { return tg_all_dims(x, 0, NULL, false); }
TG_API tg_tensor *(tg_all_dims)(tg_tensor *x, int n, const int64_t *dims, bool keepdim) {
    return tg__any_call(x, n, dims, keepdim, true);
}

/* ------------------------------------------------------------------ var: made of ops ---- */
TG_API tg_tensor *(tg_var)(tg_tensor *x, double correction) { return tg_var_dims(x, 0, NULL, correction, false); }
TG_API tg_tensor *(tg_var_dims)(tg_tensor *x, int n, const int64_t *dims, double correction, bool keepdim) {
    tg_ctx *tg = tg__start(x, "var");
    tg__reduce_attr at;
    unsigned mask;
    double count;
    tg_tensor *mean, *d;
    bool outermost;
    if (!tg || !tg__reduce_attr_fill(tg, &at, n, dims, keepdim) || !tg__reduce_mask(tg, x, &at, &mask)) return NULL;
    if (!tg_dtype_is_float(x->dtype)) { tg__fail(tg, TG__E_FLOAT_ONLY, x); return NULL; }
    count = (double)tg__reduce_count(x, mask) - correction;
    /* squares leave the range of halves */
    outermost = tg__compose(tg);
    if (x->dtype == TG_F16 || x->dtype == TG_BF16)
        return tg__composed(tg, outermost, tg_to(tg_var_dims(tg_to(x, TG_F32), n, dims, correction, keepdim), x->dtype));
    mean = n ? tg_mean_dims(x, n, dims, true) : tg_mean(x);
    d = tg_square(tg_sub(x, mean));
    d = n ? tg_sum_dims(d, n, dims, keepdim) : tg__reduce_call(&tg__sum_op, "var", d, 0, NULL, keepdim);
    return tg__composed(tg, outermost, count > 0 ? tg_mul_scalar(d, 1 / count) : tg_div_scalar(d, 0));
}
/* The root of what is 0 is taken of 1 instead, and put aside: its derivative would be infinite. */
TG_API tg_tensor *(tg_std)(tg_tensor *x, double correction) { return tg_std_dims(x, 0, NULL, correction, false); }
TG_API tg_tensor *(tg_std_dims)(tg_tensor *x, int n, const int64_t *dims, double correction, bool keepdim) {
    tg_ctx *tg = tg__start(x, "std");
    tg_tensor *v, *none;
    bool outermost;
    if (!tg) return NULL;
    /* the variance leaves the range of narrow types where its root does not: halves are computed in f32, f32 in f64 */
    outermost = tg__compose(tg);
    if (x->dtype == TG_F16 || x->dtype == TG_BF16 || x->dtype == TG_F32)
        return tg__composed(tg, outermost,
            tg_to(tg_std_dims(tg_to(x, x->dtype == TG_F32 ? TG_F64 : TG_F32), n, dims, correction, keepdim), x->dtype));
    v = tg_var_dims(x, n, dims, correction, keepdim);
    none = tg_eq_scalar(v, 0);
    v = tg_where(none, tg_number(tg, 0), tg_sqrt(tg_where(none, tg_number(tg, 1), v)));
    return tg__composed(tg, outermost, v);
}

/* ------------------------------------------------------------------ softmax, log_softmax ----
   softmax: y = exp(x - max) / sum(exp(x - max)) along dim; dx = y * (g - sum(g * y)).
   log_softmax: y = x - max - log(sum(exp(x - max))); dx = g - exp(y) * sum(g). Both save the result. */
typedef struct tg__dim_attr { int64_t dim; } tg__dim_attr;              /* also of cat and the index ops */
static const tg_attr tg__dim_attrs[] = { TG__ATTR(tg__dim_attr, dim, INT) };
typedef struct tg__softmax_plan {
    tg__job job;
    const char *x;
    char *y;
    tg_dtype d, compute;
    int64_t rows, length, xs, ys, per;
    bool log, direct;                               /* direct: rows lie side by side in the computed type */
    tg__loop kept;
} tg__softmax_plan;

TG__PRIVATE void tg__softmax_chunk(void *plan, int64_t index) {
    tg__softmax_plan *j = (tg__softmax_plan *)plan;
    int64_t r = index * j->per, end = tg__imin(r + j->per, j->rows);
    size_t size = tg_dtype_size(j->d);
    int slot = -1, isa = j->job.tg->isa;
    void *tile = j->direct ? NULL : tg__scratch_take(j->job.tg, &slot);
    for (; r < end; r++) {
        const char *x = j->x + tg__loop_offset(&j->kept, 1, r, NULL) * (int64_t)size;
        char *y = j->y + tg__loop_offset(&j->kept, 0, r, NULL) * (int64_t)size;
        const void *p = x;
        void *q = y;
        if (!j->direct) { tg__load(isa, j->compute, j->length, tile, x, j->xs, j->d); p = q = tile; }
        if (j->compute == TG_F64) tg__softmax_row_f64__k[isa](j->length, (double *)q, (const double *)p, j->log);
        else tg__softmax_row_f32__k[isa](j->length, (float *)q, (const float *)p, j->log);
        if (!j->direct) tg__store(isa, j->compute, j->length, y, j->ys, j->d, tile);
    }
    if (tile) tg__scratch_give(j->job.tg, slot);
}
TG__PRIVATE int64_t tg__softmax_start(tg_ctx *tg, int phase, void *plan) {
    tg__softmax_plan *j = (tg__softmax_plan *)plan;
    const tg_operand *o = j->job.o;
    const int dim = (int)j->job.r->whole[0];
    if (phase) return 0;
    j->x = j->job.at[1]; j->y = j->job.at[0]; j->d = o[0].dtype; j->compute = j->job.r->compute;
    j->log = j->job.r->kind == 1;
    j->length = 1; j->xs = j->ys = 1;
    if (o[0].ndim) {
        tg_operand kept[2];
        kept[0] = o[0]; kept[1] = o[1];
        j->length = o[0].shape[dim];
        if (j->length != 1) { j->ys = o[0].stride[dim]; j->xs = o[1].stride[dim]; }
        tg__operand_without(&kept[0], dim); tg__operand_without(&kept[1], dim);
        tg__loop_make(&j->kept, kept, 2);
    } else tg__loop_make(&j->kept, o, 2);
    j->rows = j->kept.numel;
    if (j->rows == 0 || j->length == 0) return 0;
    j->direct = j->xs == 1 && j->ys == 1 && j->d == j->compute;
    if (!j->direct && !tg__scratch_need(tg, (size_t)j->length * 8)) return -1;
    j->per = tg__imax(1, 16384 / j->length);
    return tg__ceil_div(j->rows, j->per);
}
TG__FAMILY(softmax, false);

TG__PRIVATE bool tg__softmax_check(tg_ctx *tg, tg__node *n) {
    tg__dim_attr *at = (tg__dim_attr *)n->attr;
    if (!tg_dtype_is_float(n->in[0]->dtype)) return tg__fail(tg, TG__E_FLOAT_ONLY, n->in[0]);
    return tg__wrap_dim(tg, n->in[0], &at->dim, n->in[0]->ndim) && tg__out_like(tg, n, 0, n->in[0]);
}
TG__PRIVATE bool tg__softmax_forward(tg_ctx *tg, tg__node *n) {
    tg__ask a;
    tg__ask_begin(&a, TG_FAMILY_SOFTMAX, n->op->kind, tg__compute_type(n->in[0]->dtype));
    a.r.whole[0] = ((const tg__dim_attr *)n->attr)->dim;
    tg__ask_for(&a, n->out[0], TG_WRITE);
    tg__ask_for(&a, n->in[0], TG_READ);
    return tg__launch(&a, tg, &tg__family_softmax, NULL);
}
TG__PRIVATE bool tg__softmax_backward(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    const tg__dim_attr *at = (const tg__dim_attr *)n->attr;
    tg_tensor *y = n->out[0];
    (void)tg;
    dx[0] = tg_mul(y, tg_sub(g[0], tg_sum_dims(tg_mul(g[0], y), 1, &at->dim, true)));
    return dx[0] != NULL;
}
TG__PRIVATE bool tg__log_softmax_backward(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    const tg__dim_attr *at = (const tg__dim_attr *)n->attr;
    (void)tg;
    dx[0] = tg_sub(g[0], tg_mul(tg_exp(n->out[0]), tg_sum_dims(g[0], 1, &at->dim, true)));
    return dx[0] != NULL;
}
static const tg_op tg__softmax_op = { TG__OP("softmax", TG__IN(1), TG__OUT(1), TG__NO_FLAGS), TG__SAVES(TG_SAVE_OUT(0)), TG__ATTRS(tg__dim),
    tg__softmax_check, tg__softmax_forward, tg__softmax_backward, NULL };
static const tg_op tg__log_softmax_op = { TG__OP_KIND("log_softmax", TG__IN(1), TG__OUT(1), TG__NO_FLAGS, 1), TG__SAVES(TG_SAVE_OUT(0)), TG__ATTRS(tg__dim),
    tg__softmax_check, tg__softmax_forward, tg__log_softmax_backward, NULL };
TG_API tg_tensor *(tg_softmax)(tg_tensor *x, int64_t dim) {
    tg__dim_attr at;
    at.dim = dim;
    return tg__call(&tg__softmax_op, &at, &x, 1, NULL, 1);
}
TG_API tg_tensor *(tg_log_softmax)(tg_tensor *x, int64_t dim) {
    tg__dim_attr at;
    at.dim = dim;
    return tg__call(&tg__log_softmax_op, &at, &x, 1, NULL, 1);
}

/* ======================================================================================
   >>impl-sort    sort along a dimension
   Tests: tests/test_index.c
   ====================================================================================== */

/* ---- the sort family ----
   Every type maps to unsigned keys in the same order: all NaNs are one key and the largest, -0 and +0 are one
   key. Rows are sorted as entries (key, place): by merging when they are short, else by a least significant
   digit first radix sort. It looks at those bits only that differ between the row's largest and smallest key,
   so bytes, halves and indices take one or two rounds. An entry is one number, key << 32 | place, unless the
   keys of a row spread wider. Equal keys keep their order. */
#define TG__SORT_MERGE 64                            /* up to here merging wins over radix, */
#define TG__SORT_INSERT 80                           /* and insertion for wide entries */
#define TG__SORT_BIG 32768                           /* above, a row is cut into blocks and sorted in phases */
#define TG__SORT_DIGIT 10                            /* bits: at 11 the places written to leave the fastest cache */
#define TG__SORT_DIGITS (1 << TG__SORT_DIGIT)
#define TG__SORT_ROUNDS 8                            /* at most: 64 bits in digits of 8 */

typedef struct tg__sort_rule { uint64_t sign, infinity, all, flip; bool floating; } tg__sort_rule;
/* vary: the bits in which some keys differ */
typedef struct tg__sort_range { uint64_t low, high, vary; } tg__sort_range;
typedef struct tg__sort_wide { uint64_t key, place; } tg__sort_wide;

enum { TG__SORT_ROW, TG__SORT_LOAD, TG__SORT_PACK, TG__SORT_COUNT, TG__SORT_MOVE, TG__SORT_WRITE };

typedef struct tg__sort_plan {
    tg__job     job;
    size_t      size;
    tg__sort_rule rule;
    const char *x; char *values; int64_t *places;
    int64_t     n, xs, vs, ps;                       /* length of a row, strides along it */
    int64_t     rows, rows_per_chunk;
    tg__loop    loop;                                /* over the rows: values, x, places */
    /* long rows, one after the other */
    char       *mem; size_t bytes;                   /* what follows stands in it */
    uint64_t   *a, *b;                               /* entries, and the room they move to */
    int64_t    *counts;                              /* [blocks][TG__SORT_DIGITS] */
    tg__sort_range *ranges;                          /* [blocks] */
    int64_t     row, block, blocks;
    int         step, round, rounds, width, shift;
    uint64_t    low;
    bool        wide;
    const char *row_x; char *row_values; int64_t *row_places;
} tg__sort_plan;

TG__PRIVATE tg__sort_rule tg__sort_rule_for(tg_dtype d, bool descending) {
    tg__sort_rule r;
    int bits = (int)tg_dtype_size(d) * 8;
    r.all = ~(uint64_t)0 >> (64 - bits);
    r.floating = tg_dtype_is_float(d);
    r.sign = d == TG_U8 || d == TG_BOOL ? 0 : (uint64_t)1 << (bits - 1);
    r.infinity = d == TG_F32 ? 0x7f800000u : d == TG_F64 ? (uint64_t)0x7ff << 52
        : d == TG_F16 ? 0x7c00u : d == TG_BF16 ? 0x7f80u : r.all;
    r.flip = descending ? r.all : 0;
    return r;
}

/* Keys of n elements, and the bits of an element from its key: positive floats get their sign bit set,
   negative ones are turned over; signed integers have the sign bit turned. The keys of zeros and NaNs stand
   for several values: those elements are fetched from x. */
#define TG__SORT_TYPE(U) \
    TG__PRIVATE void tg__sort_keys_##U(int64_t n, uint64_t *keys, const void *x_, int64_t xs, const tg__sort_rule *r, tg__sort_range *range) { \
        const U *x = (const U *)x_; \
        const U all = (U)r->all, sign = (U)r->sign, turn = r->floating ? all : (U)0, zero = r->floating ? 1 : 0, infinity = (U)r->infinity, flip = (U)r->flip; \
        U low = all, high = 0, vary = 0, first = 0; \
        int64_t i; \
        for (i = 0; i < n; i++) { \
            U u = x[i * xs], negative = (U)((u & sign) ? turn : 0), key = (U)(u ^ (U)(sign | negative)); \
            key = (U)(key + (U)(zero & (U)(u == sign))); \
            if ((U)(u & (U)~(U)(sign & turn)) > infinity) key = all; \
            key = (U)(key ^ flip); \
            if (i == 0) first = key; \
            low = key < low ? key : low; high = key > high ? key : high; vary = (U)(vary | (U)(key ^ first)); \
            keys[i] = key; \
        } \
        range->low = low; range->high = high; range->vary = vary; \
    } \
    TG__PRIVATE void tg__sort_write_##U(int64_t n, const uint64_t *e, bool wide, uint64_t low, \
            void *v_, int64_t vs, int64_t *places, int64_t ps, const void *x_, int64_t xs, const tg__sort_rule *r) { \
        const U *x = (const U *)x_; \
        U *v = (U *)v_; \
        const U all = (U)r->all, sign = (U)r->sign, turn = r->floating ? all : (U)0, flip = (U)r->flip; \
        int64_t i; \
        for (i = 0; i < n; i++) { \
            int64_t place = (int64_t)(wide ? e[2 * i + 1] : (e[i] & 0xffffffffu)); \
            U key = (U)((U)((wide ? e[2 * i] : e[i] >> 32) + low) ^ flip), u = (U)(key ^ sign); \
            places[i * ps] = place; \
            if (turn) { \
                if (key == sign || key == all) u = x[place * xs]; \
                else if (!(key & sign)) u = (U)~key; \
            } \
            v[i * vs] = u; \
        } \
    }
TG__SORT_TYPE(uint8_t) TG__SORT_TYPE(uint16_t) TG__SORT_TYPE(uint32_t) TG__SORT_TYPE(uint64_t)
#undef TG__SORT_TYPE

TG__PRIVATE void tg__sort_keys(const tg__sort_plan *j, int64_t n, uint64_t *keys, const char *x,
    tg__sort_range *range) {
    switch (j->size) {
        case 1: tg__sort_keys_uint8_t(n, keys, x, j->xs, &j->rule, range); break;
        case 2: tg__sort_keys_uint16_t(n, keys, x, j->xs, &j->rule, range); break;
        case 4: tg__sort_keys_uint32_t(n, keys, x, j->xs, &j->rule, range); break;
        default: tg__sort_keys_uint64_t(n, keys, x, j->xs, &j->rule, range); break;
    }
}
/* `at`: the first entry's position in the row, whose beginnings the pointers are. */
TG__PRIVATE void tg__sort_write(const tg__sort_plan *j, int64_t at, int64_t n, const uint64_t *e,
    bool wide, uint64_t low, const char *x, char *values, int64_t *places) {
    e += at * (wide ? 2 : 1); values += at * j->vs * (int64_t)j->size; places += at * j->ps;
    switch (j->size) {
        case 1: tg__sort_write_uint8_t(n, e, wide, low, values, j->vs, places, j->ps, x, j->xs, &j->rule); break;
        case 2: tg__sort_write_uint16_t(n, e, wide, low, values, j->vs, places, j->ps, x, j->xs, &j->rule); break;
        case 4: tg__sort_write_uint32_t(n, e, wide, low, values, j->vs, places, j->ps, x, j->xs, &j->rule); break;
        default: tg__sort_write_uint64_t(n, e, wide, low, values, j->vs, places, j->ps, x, j->xs, &j->rule); break;
    }
}

TG__PRIVATE bool tg__sort_is_wide(const tg__sort_range *r, int64_t n) {
    return r->high - r->low > 0xffffffffu || (uint64_t)n > 0xffffffffu;
}
/* Which bits decide, and in how many rounds. */
TG__PRIVATE void tg__sort_digits(const tg__sort_range *r, bool wide, int digit, int *shift, int *rounds, int *width) {
    uint64_t spread = r->high - r->low, vary = r->vary;
    int bits = 0, zeros = 0;
    while (spread) { bits++; spread >>= 1; }
    while (vary && !(vary & 1)) { zeros++; vary >>= 1; }
    bits -= zeros;
    *shift = zeros + (wide ? 0 : 32);
    *rounds = bits <= 0 ? 0 : (bits + digit - 1) / digit;
    *width = *rounds ? (bits + *rounds - 1) / *rounds : 0;
}

/* Short rows of packed entries, no two of which are equal. Groups of 16 are put in order by counting how many
   are below each, then runs are merged; neither has a branch that depends on the values. Returns where the
   result is. */
TG__PRIVATE uint64_t *tg__sort_merge(uint64_t *a, uint64_t *b, int64_t n) {
    int64_t at, run, i, k;
    uint64_t *t;
    for (at = 0; at < n; at += 16) {
        const uint64_t *p = a + at;
        int64_t m = tg__imin(16, n - at);
        for (i = 0; i < m; i++) {
            uint64_t v = p[i];
            int64_t below = 0;
            for (k = 0; k < m; k++) below += p[k] < v;
            b[at + below] = v;
        }
    }
    t = a; a = b; b = t;
    for (run = 16; run < n; run *= 2) {
        for (at = 0; at < n; at += 2 * run) {
            const uint64_t *l = a + at, *mid = a + tg__imin(at + run, n), *r = mid,
                           *end = a + tg__imin(at + 2 * run, n);
            uint64_t *o = b + at;
            while (l < mid && r < end) {
                uint64_t x = *l, y = *r, right = y < x;
                *o++ = x ^ ((x ^ y) & ((uint64_t)0 - right));
                r += right; l += 1 - right;
            }
            memcpy(o, l, (size_t)(mid - l) * sizeof *o);
            memcpy(o + (mid - l), r, (size_t)(end - r) * sizeof *o);
        }
        t = a; a = b; b = t;
    }
    return a;
}

#define TG__SORT_ENTRY(name, T, KEY) \
    TG__PRIVATE void tg__sort_count_##name(const T *e, int64_t n, int shift, int width, int64_t *count) { \
        uint64_t mask = ((uint64_t)1 << width) - 1; \
        int64_t i; \
        for (i = 0; i < n; i++) count[KEY(e[i]) >> shift & mask]++; \
    } \
    TG__PRIVATE void tg__sort_move_##name(const T *e, int64_t n, int shift, int width, int64_t *next, T *to) { \
        uint64_t mask = ((uint64_t)1 << width) - 1; \
        int64_t i; \
        for (i = 0; i < n; i++) { T v = e[i]; to[next[KEY(v) >> shift & mask]++] = v; } \
    } \
    /* all digits counted in one go; returns where the sorted entries are, a or b */ \
    TG__PRIVATE T *tg__sort_radix_##name(T *a, T *b, int64_t n, int shift, int rounds, int width, int64_t *count) { \
        int64_t digits = (int64_t)1 << width, i; \
        uint64_t mask = (uint64_t)digits - 1; \
        int r; \
        memset(count, 0, (size_t)rounds * (size_t)digits * sizeof *count); \
        for (i = 0; i < n; i++) { uint64_t key = KEY(a[i]) >> shift; for (r = 0; r < rounds; r++, key >>= width) count[r * digits + (int64_t)(key & mask)]++; } \
        for (r = 0; r < rounds; r++, shift += width, count += digits) { \
            int64_t sum = 0; \
            T *t; \
            if (count[KEY(a[0]) >> shift & mask] == n) continue;       /* all agree */ \
            for (i = 0; i < digits; i++) { int64_t c = count[i]; count[i] = sum; sum += c; } \
            tg__sort_move_##name(a, n, shift, width, count, b); \
            t = a; a = b; b = t; \
        } \
        return a; \
    }
#define TG__SORT_KEY(e) (e)
TG__SORT_ENTRY(packed, uint64_t, TG__SORT_KEY)
#undef TG__SORT_KEY
#define TG__SORT_KEY(e) ((e).key)
TG__SORT_ENTRY(wide, tg__sort_wide, TG__SORT_KEY)
#undef TG__SORT_KEY
#undef TG__SORT_ENTRY
TG__PRIVATE void tg__sort_insert_wide(tg__sort_wide *e, int64_t n) {
    int64_t i, k;
    for (i = 1; i < n; i++) {
        tg__sort_wide v = e[i];
        for (k = i; k > 0 && e[k - 1].key > v.key; k--) e[k] = e[k - 1];
        e[k] = v;
    }
}

/* A short row in scratch: two rooms for entries, then the counts. */
TG__PRIVATE size_t tg__sort_room(const tg__sort_plan *j) {
    return (size_t)j->n * (j->size == 8 ? sizeof(tg__sort_wide) : sizeof(uint64_t));
}
TG__PRIVATE void tg__sort_row(const tg__sort_plan *j, char *scratch, const char *x, char *values, int64_t *places) {
    uint64_t *a = (uint64_t *)(void *)scratch, *b = (uint64_t *)(void *)(scratch + tg__sort_room(j));
    int64_t *count = (int64_t *)(void *)(scratch + 2 * tg__sort_room(j)), n = j->n, i;
    tg__sort_range range;
    int shift = 0, rounds = 0, width = 0;
    bool wide;
    tg__sort_keys(j, n, a, x, &range);
    wide = tg__sort_is_wide(&range, n);
    if (n > TG__SORT_MERGE || wide)
        tg__sort_digits(&range, wide, n < 4096 ? 8 : TG__SORT_DIGIT, &shift, &rounds, &width);
    if (!wide) {
        for (i = 0; i < n; i++) a[i] = (a[i] - range.low) << 32 | (uint64_t)i;
        a = n <= TG__SORT_MERGE ? tg__sort_merge(a, b, n)
            : tg__sort_radix_packed(a, b, n, shift, rounds, width, count);
    } else {
        tg__sort_wide *e = (tg__sort_wide *)(void *)b;
        for (i = 0; i < n; i++) { e[i].key = a[i] - range.low; e[i].place = (uint64_t)i; }
        if (n <= TG__SORT_INSERT) tg__sort_insert_wide(e, n);
        else e = tg__sort_radix_wide(e, (tg__sort_wide *)(void *)a, n, shift, rounds, width, count);
        a = (uint64_t *)(void *)e;
    }
    tg__sort_write(j, 0, n, a, wide, range.low, x, values, places);
}

/* A block of a long row in one of its phases. Entries move to a place of their own, whichever block runs first. */
TG__PRIVATE void tg__sort_block(tg__sort_plan *j, int64_t block) {
    int64_t at = block * j->block, n = tg__imin(j->block, j->n - at), i;
    int64_t *count = j->counts + block * TG__SORT_DIGITS;
    int shift = j->shift + j->round * j->width;
    tg__sort_wide *wa = (tg__sort_wide *)(void *)j->a, *wb = (tg__sort_wide *)(void *)j->b;
    switch (j->step) {
        case TG__SORT_LOAD:
            tg__sort_keys(j, n, j->a + at, j->row_x + at * j->xs * (int64_t)j->size, &j->ranges[block]);
            break;
        /* packing counts for the first round; the wide form is made in b, and tg__sort_next exchanges a and b */
        case TG__SORT_PACK: case TG__SORT_COUNT:
            if (j->step == TG__SORT_PACK) {
                if (j->wide) for (i = 0; i < n; i++) {
                    wb[at + i].key = j->a[at + i] - j->low;
                    wb[at + i].place = (uint64_t)(at + i);
                }
                else for (i = 0; i < n; i++) j->a[at + i] = (j->a[at + i] - j->low) << 32 | (uint64_t)(at + i);
                wa = wb;
            }
            memset(count, 0, TG__SORT_DIGITS * sizeof *count);
            if (j->wide) tg__sort_count_wide(wa + at, n, shift, j->width, count);
            else tg__sort_count_packed(j->a + at, n, shift, j->width, count);
            break;
        case TG__SORT_MOVE:
            if (j->wide) tg__sort_move_wide(wa + at, n, shift, j->width, count, wb);
            else tg__sort_move_packed(j->a + at, n, shift, j->width, count, j->b);
            break;
        default: tg__sort_write(j, at, n, j->a, j->wide, j->low, j->row_x, j->row_values, j->row_places); break;
    }
}
/* Counts become the places where each block's entries of each digit go. False: all entries have one digit. */
TG__PRIVATE bool tg__sort_places(tg__sort_plan *j) {
    int64_t sum = 0, d, b;
    for (d = 0; d < (int64_t)1 << j->width; d++) {
        int64_t before = sum;
        for (b = 0; b < j->blocks; b++) {
            int64_t *p = &j->counts[b * TG__SORT_DIGITS + d], c = *p;
            *p = sum;
            sum += c;
        }
        if (sum - before == j->n) return false;
    }
    return true;
}
TG__PRIVATE void tg__sort_exchange(tg__sort_plan *j) { uint64_t *t = j->a; j->a = j->b; j->b = t; }

/* What comes after the step whose blocks are done. */
TG__PRIVATE int64_t tg__sort_next(tg__sort_plan *j) {
    int64_t i;
    switch (j->step) {
        case TG__SORT_ROW: j->step = TG__SORT_LOAD; break;
        case TG__SORT_LOAD: {
            tg__sort_range all = j->ranges[0];
            for (i = 1; i < j->blocks; i++) {
                const tg__sort_range *r = &j->ranges[i];
                all.vary |= r->vary | (r->low ^ all.low);
                if (r->low < all.low) all.low = r->low;
                if (r->high > all.high) all.high = r->high;
            }
            j->low = all.low;
            j->wide = tg__sort_is_wide(&all, j->n);
            tg__sort_digits(&all, j->wide, TG__SORT_DIGIT, &j->shift, &j->rounds, &j->width);
            j->round = 0;
            j->step = TG__SORT_PACK;
            break;
        }
        case TG__SORT_PACK: case TG__SORT_COUNT:
            if (j->step == TG__SORT_PACK && j->wide) tg__sort_exchange(j);
            if (j->rounds == 0) j->step = TG__SORT_WRITE;
            else if (tg__sort_places(j)) j->step = TG__SORT_MOVE;
            else j->step = ++j->round < j->rounds ? TG__SORT_COUNT : TG__SORT_WRITE;
            break;
        case TG__SORT_MOVE:
            tg__sort_exchange(j);
            j->step = ++j->round < j->rounds ? TG__SORT_COUNT : TG__SORT_WRITE;
            break;
        default:
            j->row++;
            j->step = TG__SORT_LOAD;
            break;
    }
    if (j->row == j->rows) return 0;
    if (j->step == TG__SORT_LOAD) {
        j->row_values = j->values + tg__loop_offset(&j->loop, 0, j->row, NULL) * (int64_t)j->size;
        j->row_x = j->x + tg__loop_offset(&j->loop, 1, j->row, NULL) * (int64_t)j->size;
        j->row_places = j->places + tg__loop_offset(&j->loop, 2, j->row, NULL);
    }
    return j->blocks;
}

TG__PRIVATE void tg__sort_chunk(void *plan, int64_t index) {
    tg__sort_plan *j = (tg__sort_plan *)plan;
    int64_t at = index * j->rows_per_chunk, end = tg__imin(at + j->rows_per_chunk, j->rows);
    char *scratch;
    int slot;
    if (j->a) { tg__sort_block(j, index); return; }
    scratch = (char *)tg__scratch_take(j->job.tg, &slot);
    for (; at < end; at++)
        tg__sort_row(j, scratch, j->x + tg__loop_offset(&j->loop, 1, at, NULL) * (int64_t)j->size,
                     j->values + tg__loop_offset(&j->loop, 0, at, NULL) * (int64_t)j->size,
                     j->places + tg__loop_offset(&j->loop, 2, at, NULL));
    tg__scratch_give(j->job.tg, slot);
}
/* Room for the entries, counts and ranges of one long row. */
TG__PRIVATE bool tg__sort_long(tg_ctx *tg, tg__sort_plan *j) {
    size_t room, counts, ranges;
    j->block = tg__imax(65536, tg__ceil_div(j->n, 64));
    j->blocks = tg__ceil_div(j->n, j->block);
    room = (size_t)j->n * (j->size == 8 || (uint64_t)j->n > 0xffffffffu ? sizeof(tg__sort_wide) : sizeof(uint64_t));
    counts = (size_t)j->blocks * TG__SORT_DIGITS * sizeof(int64_t);
    ranges = (size_t)j->blocks * sizeof(tg__sort_range);
    j->bytes = 2 * room + counts + ranges;
    j->mem = (char *)tg__mem_get(tg, j->bytes);
    if (!j->mem) return false;
    j->a = (uint64_t *)(void *)j->mem;
    j->b = j->a + room / sizeof(uint64_t);
    j->counts = (int64_t *)(void *)(j->mem + 2 * room);
    j->ranges = (tg__sort_range *)(void *)(j->mem + 2 * room + counts);
    return true;
}
TG__PRIVATE int64_t tg__sort_start(tg_ctx *tg, int phase, void *plan) {
    tg__sort_plan *j = (tg__sort_plan *)plan;
    int64_t chunks;
    if (phase == 0) {
        const tg_operand *o = j->job.o;
        const int dim = (int)j->job.r->whole[0];
        tg_operand rows[3];
        int k;
        j->mem = NULL; j->a = NULL; j->row = 0; j->step = TG__SORT_ROW;
        j->size = tg_dtype_size(o[2].dtype);
        j->rule = tg__sort_rule_for(o[2].dtype, j->job.r->kind == 1);
        j->values = j->job.at[0]; j->places = (int64_t *)(void *)j->job.at[1]; j->x = j->job.at[2];
        rows[0] = o[0]; rows[1] = o[2]; rows[2] = o[1];
        j->n = 1; j->vs = j->xs = j->ps = 1;
        if (o[0].ndim) {
            j->n = o[0].shape[dim];
            j->vs = rows[0].stride[dim]; j->xs = rows[1].stride[dim]; j->ps = rows[2].stride[dim];
            for (k = 0; k < 3; k++) tg__operand_without(&rows[k], dim);
        }
        tg__loop_make(&j->loop, rows, 3);
        j->rows = j->loop.numel;
        if (j->n == 0 || j->rows == 0) return 0;
        if (j->n <= TG__SORT_BIG) {
            if (!tg__scratch_need(tg, 2 * tg__sort_room(j) + TG__SORT_ROUNDS * TG__SORT_DIGITS * sizeof(int64_t)))
                return -1;
            j->rows_per_chunk = tg__imax(1, 8192 / j->n);
            return tg__ceil_div(j->rows, j->rows_per_chunk);
        }
        if (!tg__sort_long(tg, j)) return -1;
    }
    if (!j->mem) return 0;
    chunks = tg__sort_next(j);
    if (chunks == 0) tg__mem_put(tg, j->mem, j->bytes);
    return chunks;
}
TG__FAMILY(sort, false);

/* ------------------------------------------------------------------------ sort ----
   values, places: x in order along dim, stable, and the i64 places that the values came from. NaN is the
   largest number, as in torch.
   dx = g carried back to those places. Saves: the places. */
typedef struct tg__sort_attr { int64_t dim; bool descending; } tg__sort_attr;
static const tg_attr tg__sort_attrs[] = {
    TG__ATTR(tg__sort_attr, dim, INT), TG__ATTR(tg__sort_attr, descending, BOOL)
};

TG__PRIVATE bool tg__sort_check(tg_ctx *tg, tg__node *n) {
    tg__sort_attr *at = (tg__sort_attr *)n->attr;
    tg_tensor *x = n->in[0];
    return tg__wrap_dim(tg, x, &at->dim, x->ndim) && tg__out_ordered(tg, n, 0, x->dtype, x) &&
        tg__out_ordered(tg, n, 1, TG_I64, x);
}
TG__PRIVATE bool tg__sort_forward(tg_ctx *tg, tg__node *n) {
    const tg__sort_attr *at = (const tg__sort_attr *)n->attr;
    tg__ask a;
    tg__ask_begin(&a, TG_FAMILY_SORT, at->descending, n->in[0]->dtype);
    a.r.whole[0] = at->dim;
    tg__ask_for(&a, n->out[0], TG_WRITE);
    tg__ask_for(&a, n->out[1], TG_WRITE);
    tg__ask_for(&a, n->in[0], TG_READ);
    return tg__launch(&a, tg, &tg__family_sort, NULL);
}
TG__PRIVATE bool tg__sort_backward(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    const tg__sort_attr *at = (const tg__sort_attr *)n->attr;
    (void)tg;
    if (!g[0]) return true;
    dx[0] = tg_scatter(tg_zeros_like(g[0]), at->dim, n->out[1], g[0]);
    return dx[0] != NULL;
}
static const tg_op tg__sort_op = { TG__OP("sort", TG__IN(1), TG__OUT(2), TG__NO_FLAGS), TG__SAVES(TG_SAVE_OUT(1)), TG__ATTRS(tg__sort),
    tg__sort_check, tg__sort_forward, tg__sort_backward, NULL };
TG_API tg_tensor *(tg_sort)(tg_tensor *x, int64_t dim, bool descending, tg_tensor **indices) {
    tg__sort_attr at;
    tg_tensor *out[2], *y;
    memset(&at, 0, sizeof at);
    at.dim = dim; at.descending = descending;
    y = tg__apply(&tg__sort_op, &at, out, x);
    if (indices) *indices = y ? out[1] : NULL;
    return y;
}

/* ======================================================================================
   >>impl-index    cat, stack; index_select, index_add, gather, scatter, scatter_add, one_hot
   Tests: tests/test_index.c
   ====================================================================================== */

/* ------------------------------------------------------------------------ cat ----
   The tensors one after the other along dim; dtypes promote. dx_i = its part of g. As in torch, 1-D tensors
   without elements are left out of the shape check, and the result of channels-last pictures is
   channels-last. */

TG__PRIVATE bool tg__cat_skips(int ndim, const int64_t *shape) { return ndim == 1 && shape[0] == 0; }
TG__PRIVATE bool tg__channels_last(const tg_tensor *t) {
    int order[TG_MAX_DIMS];
    return t->ndim == 4 && t->shape[1] > 1 && t->stride[1] == 1 && tg__stride_order(t, order) &&
        order[0] == 0 && order[1] == 2 && order[2] == 3 && order[3] == 1;
}
TG__PRIVATE bool tg__cat_check(tg_ctx *tg, tg__node *n) {
    static const int pictures[4] = { 0, 2, 3, 1 };
    tg__dim_attr *at = (tg__dim_attr *)n->attr;
    int64_t shape[TG_MAX_DIMS], sum = 0;
    tg_dtype dtype = n->in[0]->dtype;
    const tg_tensor *first = n->in[0];
    bool last = true;
    int i, d;
    for (i = n->n_in - 1; i >= 0; i--) if (!tg__cat_skips(n->in[i]->ndim, n->in[i]->shape)) first = n->in[i];
    if (!tg__wrap_dim(tg, first, &at->dim, first->ndim)) return false;
    for (i = 0; i < n->n_in; i++) {
        const tg_tensor *t = n->in[i];
        dtype = tg_dtype_promote(dtype, t->dtype);
        if (t->ndim == 0)
            return tg__fail_op(tg, TG_ERROR_SHAPE, "tensor %d is %t: without dimensions nothing can be joined; use tg_stack", i, t);
        if (tg__cat_skips(t->ndim, t->shape)) continue;
        if (!tg__same_but(t, first, (int)at->dim)) return tg__fail(tg, TG__E_CAT_SHAPE, i, t, first, (int)at->dim);
        if (!tg__add_i64(sum, t->shape[at->dim], &sum)) return tg__fail(tg, TG__E_TOO_LARGE, t->ndim, t->shape);
        last = last && tg__channels_last(t);
    }
    for (d = 0; d < first->ndim; d++) shape[d] = d == (int)at->dim ? sum : first->shape[d];
    n->out[0] = tg__tensor_make(tg, first->device, dtype, first->ndim, shape,
        last && first->ndim == 4 ? pictures : NULL);
    return n->out[0] != NULL;
}
TG__PRIVATE bool tg__cat_forward(tg_ctx *tg, tg__node *n) {
    int d = (int)((const tg__dim_attr *)n->attr)->dim, i;
    tg_tensor part = *n->out[0];                                       /* a header that moves along the result */
    for (i = 0; i < n->n_in; i++) {
        tg_tensor *t = n->in[i];
        if (tg__cat_skips(t->ndim, t->shape)) continue;
        part.shape[d] = t->shape[d]; part.numel = t->numel;
        if (!tg__copy_to(tg, &part, t)) return false;
        part.place = (char *)part.place + t->shape[d] * part.stride[d] * (int64_t)tg_dtype_size(part.dtype);
        if (part.data) part.data = part.place;
    }
    return true;
}
TG__PRIVATE bool tg__cat_backward(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    int64_t dim = ((const tg__dim_attr *)n->attr)->dim, at = 0;
    int i;
    for (i = 0; i < n->n_in; i++) {
        const tg__slot *s = &n->in_slot[i];
        bool skips = tg__cat_skips(s->ndim, s->shape);
        if (n->wants[i]) {
            dx[i] = skips ? tg__full_beside(tg, g[0], g[0]->dtype, 1, s->shape, 0) : tg_narrow(g[0], dim, at, s->shape[dim]);
            if (!dx[i]) return false;
        }
        if (!skips) at += s->shape[dim];
    }
    return true;
}
static const tg_op tg__cat_op = { TG__OP("cat", TG__IN_LIST, TG__OUT(1), TG__NO_FLAGS), TG__NO_SAVES, TG__ATTRS(tg__dim),
    tg__cat_check, tg__cat_forward, tg__cat_backward, NULL };
TG_API tg_tensor *(tg_cat)(tg_tensor *const *list, int n, int64_t dim) {
    tg__dim_attr at;
    at.dim = dim;
    return list && n > 0 ? tg__call(&tg__cat_op, &at, list, n, NULL, 1) : NULL;
}

/* ------------------------------------------------------------------------ stack ---- */
TG_API tg_tensor *(tg_stack)(tg_tensor *const *list, int n, int64_t dim) {
    tg_tensor *few[8], **t = few, *y = NULL;
    tg_ctx *tg = list ? tg__start_list(list, n, "stack") : NULL;
    bool ok = true, outermost;
    int i;
    if (!tg) return NULL;
    if (!tg__wrap_dim(tg, list[0], &dim, list[0]->ndim + 1)) return NULL;
    if (n > 8 && !(t = (tg_tensor **)tg__mem_get(tg, (size_t)n * sizeof *t))) return NULL;
    outermost = tg__compose(tg);
    for (i = 0; ok && i < n; i++) {
        t[i] = tg_unsqueeze(list[i], dim);
        ok = t[i] != NULL;
        if (ok && !tg__same_shape(list[i], list[0])) ok = tg__fail(tg, TG__E_STACK_SHAPE, i, list[i], list[0]);
    }
    if (ok) y = tg_cat(t, n, dim);
    if (t != few) tg__mem_put(tg, t, (size_t)n * sizeof *t);
    return tg__composed(tg, outermost, y);
}

/* ------------------------------------------------------------------ split, meshgrid, flip, rot90, trace ----
   Made of views and of gather. Several results stand in the caller's list, or, after a failure, none. */
TG__PRIVATE int tg__pieces(tg_ctx *tg, int n, tg_tensor **pieces) {
    int i;
    if (!tg_failed(tg)) return n;
    for (i = 0; i < n; i++) pieces[i] = NULL;
    return 0;
}
TG_API int (tg_split)(tg_tensor *x, int64_t size, int64_t dim, tg_tensor **pieces, int room) {
    tg_ctx *tg;
    int64_t d, n, i;
    bool outermost;
    for (i = 0; pieces && i < room; i++) pieces[i] = NULL;
    if (!(tg = tg__start(x, "split"))) return 0;
    if (!pieces) { tg__fail(tg, TG__E_NO_DATA, "list for the pieces"); return 0; }
    if (x->ndim == 0) { tg__fail(tg, TG__E_NO_DIMS, x); return 0; }
    if (!tg__wrap_dim(tg, x, &dim, x->ndim)) return 0;
    d = x->shape[dim];
    if (size < 0 || (size == 0 && d > 0)) { tg__fail_op(tg, TG_ERROR_VALUE, "pieces of size %l cannot fill dimension %d of %t", size, (int)dim, x); return 0; }
    n = d == 0 ? 1 : (d - 1) / size + 1;
    if (n > room) { tg__fail_op(tg, TG_ERROR_VALUE, "%t makes %l pieces, and there is room for %l", x, n, (int64_t)room); return 0; }
    outermost = tg__compose(tg);
    for (i = 0; i < n && !tg_failed(tg); i++) pieces[i] = tg_narrow(x, dim, i * size, tg__imin(size, d - i * size));
    (void)tg__composed(tg, outermost, NULL);
    return tg__pieces(tg, (int)n, pieces);
}
TG_API int (tg_split_sizes)(tg_tensor *x, int n, const int64_t *sizes, int64_t dim, tg_tensor **pieces) {
    tg_ctx *tg;
    int64_t left, at = 0;
    int i;
    bool outermost;
    for (i = 0; pieces && i < n; i++) pieces[i] = NULL;
    if (!(tg = tg__start(x, "split_sizes"))) return 0;
    if (n < 0 || (n && (!sizes || !pieces))) {
        tg__fail(tg, TG__E_NO_DATA, n < 0 ? "number of pieces" : sizes ? "list for the pieces" : "sizes");
        return 0;
    }
    if (x->ndim == 0) { tg__fail(tg, TG__E_NO_DIMS, x); return 0; }
    if (!tg__wrap_dim(tg, x, &dim, x->ndim)) return 0;
    for (left = x->shape[dim], i = 0; i < n; i++) {
        if (sizes[i] < 0) { tg__fail_op(tg, TG_ERROR_VALUE, "piece %d has the negative size %l", i, sizes[i]); return 0; }
        if (sizes[i] > left) break;
        left -= sizes[i];
    }
    if (i < n || left) { tg__fail_op(tg, TG_ERROR_SHAPE, "the sizes of the pieces do not add up to %l, dimension %d of %t", x->shape[dim], (int)dim, x); return 0; }
    outermost = tg__compose(tg);
    for (i = 0; i < n && !tg_failed(tg); at += sizes[i++]) pieces[i] = tg_narrow(x, dim, at, sizes[i]);
    (void)tg__composed(tg, outermost, NULL);
    return tg__pieces(tg, n, pieces);
}
TG_API bool (tg_meshgrid)(tg_tensor *const *list, int n, bool xy, tg_tensor **grids) {
    tg_ctx *tg;
    int64_t shape[TG_MAX_DIMS], one[TG_MAX_DIMS];
    bool outermost;
    int i, k;
    for (i = 0; grids && i < n; i++) grids[i] = NULL;
    if (!(tg = list ? tg__start_list(list, n, "meshgrid") : NULL)) return false;
    if (!grids) return tg__fail(tg, TG__E_NO_DATA, "list for the grids");
    if (n > TG_MAX_DIMS) return tg__fail(tg, TG__E_NDIM, n);
    for (i = 0; i < n; i++) {
        if (list[i]->ndim > 1) return tg__fail_op(tg, TG_ERROR_SHAPE, "tensor %d is %t; at most one dimension is expected", i, list[i]);
        if (list[i]->dtype != list[0]->dtype) return tg__fail(tg, TG__E_SAME_DTYPE, list[0], list[i], "; tg_to one of them");
        shape[i] = list[i]->numel;
    }
    outermost = tg__compose(tg);
    for (i = 0; i < n && !tg_failed(tg); i++) {
        for (k = 0; k < n; k++) one[k] = k == i ? shape[i] : 1;
        grids[i] = tg_expand(tg_view(list[i], n, one), n, shape);
        if (xy && n > 1) grids[i] = tg_transpose(grids[i], 0, 1);
    }
    (void)tg__composed(tg, outermost, NULL);
    return tg__pieces(tg, n, grids) == n;
}
TG__PRIVATE tg_tensor *tg__back(tg_tensor *x, int64_t dim) { return tg_slice_dim(x, dim, INT64_MAX, INT64_MIN, -1); }
TG_API tg_tensor *(tg_flip)(tg_tensor *x, int n, const int64_t *dims) {
    tg_ctx *tg = tg__start(x, "flip");
    tg_tensor *y = x;
    unsigned turned = 0;
    bool outermost;
    int i;
    if (!tg) return NULL;
    if (n && !dims) { tg__fail(tg, TG__E_NO_DATA, "dims"); return NULL; }
    for (i = 0; i < n; i++) {
        int64_t d = dims[i];
        if (!tg__wrap_dim(tg, x, &d, x->ndim)) return NULL;
        if (turned >> d & 1u) { tg__fail(tg, TG__E_DIM_TWICE, d); return NULL; }
        turned |= 1u << d;
    }
    outermost = tg__compose(tg);
    for (i = 0; i < x->ndim; i++) if (turned >> i & 1u) y = tg__back(y, i);
    return tg__composed(tg, outermost, tg_clone(y));
}
/* Turned once, (i, j) holds what stood at (j, last - i): the reverse of dim1, transposed. */
TG_API tg_tensor *(tg_rot90)(tg_tensor *x, int k, int64_t dim0, int64_t dim1) {
    tg_ctx *tg = tg__start(x, "rot90");
    const int64_t given[2] = { dim0, dim1 };
    const int turns = (k % 4 + 4) % 4;
    tg_tensor *y = x;
    bool outermost;
    if (!tg) return NULL;
    if (x->ndim < 2) { tg__fail_op(tg, TG_ERROR_VALUE, "turning takes two different dimensions of %t, got %l and %l", x, dim0, dim1); return NULL; }
    if (!tg__wrap_dim(tg, x, &dim0, x->ndim) || !tg__wrap_dim(tg, x, &dim1, x->ndim)) return NULL;
    if (dim0 == dim1) { tg__fail_op(tg, TG_ERROR_VALUE, "turning takes two different dimensions of %t, got %l and %l", x, given[0], given[1]); return NULL; }
    outermost = tg__compose(tg);
    if (turns == 2 || turns == 3) y = tg__back(y, dim0);
    if (turns == 2 || turns == 1) y = tg__back(y, dim1);
    if (turns & 1) y = tg_transpose(y, dim0, dim1);
    return tg__composed(tg, outermost, tg_clone(y));
}
TG_API tg_tensor *(tg_trace)(tg_tensor *x) {
    tg_ctx *tg = tg__start(x, "trace");
    tg_tensor *places;
    int64_t n;
    bool outermost;
    if (!tg) return NULL;
    if (x->ndim != 2) { tg__fail_op(tg, TG_ERROR_SHAPE, "%t is no matrix: two dimensions are expected", x); return NULL; }
    if (x->dtype == TG_BOOL) { tg__fail(tg, TG__E_NOT_FOR, (int)x->dtype); return NULL; }
    n = tg__imin(x->shape[0], x->shape[1]);
    outermost = tg__compose(tg);
    places = tg_unsqueeze(tg__count_beside(tg, x, n), 1);
    return tg__composed(tg, outermost, tg_sum(tg_gather(tg_narrow(x, 0, 0, n), 1, places)));
}

/* ---- the index family ----
   All of these ops are one walk over (slices, k): slices are the positions outside of dim, k runs along it,
   and at each stands an index v.
       take:  y[slice, k] = x[slice, v]            gather; index_select, whose index does not depend on the slice
       put:   y[slice, v] = x[slice, k]            scatter
       add:   y[slice, v] += x[slice, k]           scatter_add, index_add
   Slices do not meet, so chunks are cut along them; along k only where nothing is written through an index.
   Within a slice k goes up: the last put wins, sums have one order. */

/* n elements with an index each: y at i * yn + v * yv, x at i * xn + v * xv. */
typedef void (*tg__line_fn)(int64_t n, char *y, int64_t yn, int64_t yv,
    const char *x, int64_t xn, int64_t xv, const int64_t *index, int64_t in);
#define TG__LINE(name, T, value) \
    TG__PRIVATE void tg__line_##name(int64_t n, char *y_, int64_t yn, int64_t yv, const char *x_, int64_t xn, int64_t xv, const int64_t *index, int64_t in) { \
        T *y = (T *)(void *)y_; const T *x = (const T *)(const void *)x_; \
        int64_t i; \
        if (in == 1 && yn == 1 && yv == 0 && xn == 0 && xv == 1) for (i = 0; i < n; i++) { T *d = &y[i]; T s = x[index[i]]; *d = value; } \
        else if (in == 1 && yn == 0 && yv == 1 && xn == 1 && xv == 0) for (i = 0; i < n; i++) { T *d = &y[index[i]]; T s = x[i]; *d = value; } \
        else for (i = 0; i < n; i++) { int64_t v = index[i * in]; T *d = &y[i * yn + v * yv]; T s = x[i * xn + v * xv]; *d = value; } \
    }
TG__LINE(copy1, uint8_t, s) TG__LINE(copy2, uint16_t, s) TG__LINE(copy4, uint32_t, s) TG__LINE(copy8, uint64_t, s)
TG__LINE(add_f32, float, *d + s) TG__LINE(add_f64, double, *d + s)
TG__LINE(add_f16, uint16_t, tg_f16_from_f32(tg_f32_from_f16(*d) + tg_f32_from_f16(s)))
TG__LINE(add_bf16, uint16_t, tg_bf16_from_f32(tg_f32_from_bf16(*d) + tg_f32_from_bf16(s)))
TG__LINE(add_i64, uint64_t, *d + s) TG__LINE(add_i32, uint32_t, *d + s)
TG__LINE(add_i16, uint16_t, (uint16_t)(*d + s)) TG__LINE(add_i8, uint8_t, (uint8_t)(*d + s))
TG__LINE(add_bool, uint8_t, (uint8_t)(*d || s))
#undef TG__LINE

typedef struct tg__index_plan {
    tg__job     job;
    int         kind, dim;
    size_t      size;
    char       *y; const char *x; const int64_t *index;
    /* length along dim, and the strides of y, x and index along it: 0 for the side that is indexed */
    int64_t     k, ky, kx, ki;
    int64_t     yv, xv;                             /* that side's stride */
    int64_t     limit;                              /* indices are below */
    tg__loop    slices;                             /* of y, x, index */
    tg__loop    all;                                /* of index alone, each element once, for the check */
    tg__look    look;                               /* at the indices */
    bool        across;                             /* the inner loop runs over slices, not along k */
    tg__line_fn line;
    tg__map_fn  add;                                /* a run of sums in vectors; NULL where there is none */
    int64_t     slice_block, k_block, k_blocks;
} tg__index_plan;

#define TG__INDEX_CHUNK 32768

TG__PRIVATE void tg__index_look(tg__index_plan *j, int64_t chunk) {
    const tg__loop *l = &j->all;
    int64_t at = chunk * TG__INDEX_CHUNK, end = tg__imin(at + TG__INDEX_CHUNK, l->numel), i;
    uint64_t limit = (uint64_t)j->limit;
    bool bad = false;
    while (at < end) {
        int64_t column = 0, s = l->stride[0][l->ndim - 1], n;
        const int64_t *p = j->index + tg__loop_offset(l, 0, at, &column);
        n = tg__imin(end - at, l->shape[l->ndim - 1] - column);
        for (i = 0; i < n; i++) bad |= (uint64_t)p[i * s] >= limit;    /* negative ones are huge */
        at += n;
    }
    if (bad) tg__look_bad(&j->look, chunk);
}
/* The first index that is out of range, in row-major order; dimensions in which the index is one element over and over
   do not count. */
TG__PRIVATE void tg__index_explain(tg__index_plan *j) {
    const tg_operand *t = &j->job.o[2];
    int64_t at[TG_MAX_DIMS] = TG__ZERO, i, o = 0;
    int d;
    for (i = 0; i < j->all.numel; i++) {
        int64_t v = j->index[o];
        if (v < 0 || v >= j->limit) { j->look.value = v; j->look.place = i; return; }
        for (d = t->ndim - 1; d >= 0; d--) {
            if (t->stride[d] == 0) continue;
            o += t->stride[d];
            if (++at[d] < t->shape[d]) break;
            at[d] = 0; o -= t->shape[d] * t->stride[d];
        }
    }
}

/* One index for a run of m elements. */
TG__PRIVATE void tg__index_run(const tg__index_plan *j, int64_t m, char *y, int64_t ys, const char *x, int64_t xs) {
    static const int64_t none = 0;
    if (j->kind != TG_INDEX_ADD) tg__move_run(m, j->size, y, ys, x, xs);
    else if (j->add && ys == 1 && xs == 1) {
        const void *both[2];
        int64_t step[2];
        both[0] = y; both[1] = x; step[0] = step[1] = -1;
        tg__map_call(j->job.tg->isa, j->size == 4 ? TG_F32 : TG_F64, j->add, 2, false, m, y, both, step, NULL);
    } else j->line(m, y, ys, 0, x, xs, 0, &none, 0);
}

TG__PRIVATE void tg__index_chunk(void *plan, int64_t chunk) {
    tg__index_plan *j = (tg__index_plan *)plan;
    const tg__loop *l = &j->slices;
    int last = l->ndim - 1;
    int64_t size = (int64_t)j->size, at, end, k0, k1, k, i;
    int64_t ys = l->stride[0][last], xs = l->stride[1][last], is = l->stride[2][last];
    if (j->look.state == TG__LOOKS) { tg__index_look(j, chunk); return; }
    if (j->look.state == TG__EXPLAINS) { tg__index_explain(j); return; }
    at = chunk / j->k_blocks * j->slice_block; end = tg__imin(at + j->slice_block, l->numel);
    k0 = chunk % j->k_blocks * j->k_block; k1 = tg__imin(k0 + j->k_block, j->k);
    while (at < end) {
        int64_t column = 0, m;
        char *y = j->y + tg__loop_offset(l, 0, at, &column) * size;
        const char *x = j->x + tg__loop_offset(l, 1, at, NULL) * size;
        const int64_t *index = j->index + tg__loop_offset(l, 2, at, NULL);
        m = tg__imin(end - at, l->shape[last] - column);
        if (j->across && is == 0) {
            for (k = k0; k < k1; k++) {
                int64_t v = index[k * j->ki];
                if (k + 8 < k1) {
                    int64_t w = index[(k + 8) * j->ki];
                    TG__PREFETCH(x + (k * j->kx + w * j->xv) * size);
                }
                tg__index_run(j, m, y + (k * j->ky + v * j->yv) * size, ys, x + (k * j->kx + v * j->xv) * size, xs);
            }
        } else if (j->across) {
            for (k = k0; k < k1; k++)
                j->line(m, y + k * j->ky * size, ys, j->yv, x + k * j->kx * size, xs, j->xv, index + k * j->ki, is);
        } else {
            for (i = 0; i < m; i++)
                j->line(k1 - k0, y + (i * ys + k0 * j->ky) * size, j->ky, j->yv,
                    x + (i * xs + k0 * j->kx) * size, j->kx, j->xv, index + i * is + k0 * j->ki, j->ki);
        }
        at += m;
    }
}

/* How the walk is cut, from its sizes alone. */
TG__PRIVATE int64_t tg__index_cut(tg__index_plan *j) {
    const tg__loop *l = &j->slices;
    int last = l->ndim - 1;
    int64_t n = l->numel, m = l->shape[last];
    int64_t i_step = l->stride[j->kind == TG_INDEX_TAKE ? 0 : 1][last],
            k_step = j->kind == TG_INDEX_TAKE ? j->ky : j->kx;
    if (n == 0) return 0;
    if (i_step < 0) i_step = -i_step;
    if (k_step < 0) k_step = -k_step;
    j->across = j->k == 1 || (m >= 4 && (i_step < k_step || j->k < 8));
    j->k_block = j->k;
    /* runs of less than 128 would cost more than a second thread brings */
    if (j->kind != TG_INDEX_TAKE) j->slice_block = tg__imax(j->across ? 128 : 1, TG__INDEX_CHUNK / j->k);
    else if (j->across) {
        j->slice_block = m < TG__INDEX_CHUNK ? TG__INDEX_CHUNK / m * m : TG__INDEX_CHUNK;
        if (n > m && j->k > 64) j->slice_block = m < TG__INDEX_CHUNK ? m : TG__INDEX_CHUNK;
        j->k_block = tg__imax(1, TG__INDEX_CHUNK / tg__imin(n, j->slice_block));
    } else {
        j->k_block = TG__INDEX_CHUNK;
        j->slice_block = tg__imax(1, TG__INDEX_CHUNK / j->k);
    }
    j->slice_block = tg__imin(n, j->slice_block);
    j->k_block = tg__imin(j->k, j->k_block);
    j->k_blocks = tg__ceil_div(j->k, j->k_block);
    return tg__ceil_div(n, j->slice_block) * j->k_blocks;
}
TG__PRIVATE tg__line_fn tg__line_for(int kind, tg_dtype d) {
    static const tg__line_fn adds[TG_DTYPES] = {
        tg__line_add_f32, tg__line_add_f64, tg__line_add_f16, tg__line_add_bf16, tg__line_add_i64,
        tg__line_add_i32, tg__line_add_i16, tg__line_add_i8, tg__line_add_i8, tg__line_add_bool
    };
    if (kind == TG_INDEX_ADD) return adds[d];
    switch (tg_dtype_size(d)) {
        case 8: return tg__line_copy8;
        case 4: return tg__line_copy4;
        case 2: return tg__line_copy2;
        default: return tg__line_copy1;
    }
}

TG__PRIVATE void tg__index_plan_make(tg_ctx *tg, tg__index_plan *j) {
    const tg_operand *o = j->job.o;
    const tg_dtype dtype = o[0].dtype;
    const int dim = j->dim = (int)j->job.r->whole[0], walk = j->job.r->kind == TG_INDEX_TAKE ? 0 : 1;
    tg_operand h[3], once = o[2];
    int d, k;
    j->kind = j->job.r->kind; j->size = tg_dtype_size(dtype); j->look.bad = 0; j->look.state = TG__LOOKS;
    j->y = j->job.at[0]; j->x = j->job.at[1]; j->index = (const int64_t *)(const void *)j->job.at[2];
    for (k = 0; k < 3; k++) {
        h[k] = o[k];
        for (d = 0; d < o[walk].ndim; d++) h[k].shape[d] = o[walk].shape[d];
        tg__operand_without(&h[k], dim);
    }
    tg__loop_make(&j->slices, h, 3);
    for (d = 0; d < once.ndim; d++) if (once.stride[d] == 0) once.shape[d] = tg__imin(1, once.shape[d]);
    tg__loop_make(&j->all, &once, 1);
    j->k = o[walk].shape[dim]; j->ki = o[2].stride[dim];
    j->ky = walk == 0 ? o[0].stride[dim] : 0; j->xv = walk == 0 ? o[1].stride[dim] : 0;
    j->kx = walk == 0 ? 0 : o[1].stride[dim]; j->yv = walk == 0 ? 0 : o[0].stride[dim];
    j->limit = o[1 - walk].shape[dim];
    j->line = tg__line_for(j->kind, dtype);
    j->add = dtype == TG_F32 ? tg_add_v__t.f32[tg->isa] : dtype == TG_F64 ? tg_add_v__t.f64[tg->isa] : NULL;
}
TG__PRIVATE int64_t tg__index_start(tg_ctx *tg, int phase, void *plan) {
    tg__index_plan *j = (tg__index_plan *)plan;
    int next;
    if (phase == 0) {
        tg__index_plan_make(tg, j);
        if (j->all.numel) return tg__ceil_div(j->all.numel, TG__INDEX_CHUNK);
    }
    if (!j->look.state) return 0;
    next = tg__look_next(&j->look);
    if (next < 0)
        (void)tg__fail(tg, TG__E_INDEX_RANGE, j->look.value, j->look.place, j->dim, j->job.t[j->kind == TG_INDEX_TAKE ? 1 : 0]);
    return next != 0 ? next : tg__index_cut(j);
}
TG__FAMILY(index, false);

/* Asks for the walk. The shape of the side that is not indexed is walked; an index that is a vector where the operands
   have more dimensions serves all slices. 0-d tensors count as 1-d, and other index types become i64. */
TG__PRIVATE bool tg__index_walk(tg_ctx *tg, int kind, tg_tensor *y, tg_tensor *x,
    tg_tensor *index, bool vector, int dim) {
    tg__ask a;
    tg_tensor *wide = NULL;
    const tg_operand *walk = &a.o[kind == TG_INDEX_TAKE ? 0 : 1];
    tg_operand *o;
    bool ok;
    int i;
    if (index->numel == 0) return true;
    if (index->dtype != TG_I64) {
        wide = tg__tensor_make(tg, index->device, TG_I64, index->ndim, index->shape, NULL);
        if (!wide || !tg__copy_to(tg, wide, index)) { tg__tensor_drop(wide); return false; }
        index = wide;
    }
    tg__ask_begin(&a, TG_FAMILY_INDEX, kind, y->dtype);
    a.r.whole[0] = dim;
    tg__ask_for(&a, y, kind == TG_INDEX_TAKE ? TG_WRITE : TG_READ | TG_WRITE);
    tg__ask_for(&a, x, TG_READ);
    o = tg__ask_for(&a, index, TG_READ);
    for (i = 0; i < 3; i++) if (a.o[i].ndim == 0) { a.o[i].ndim = 1; a.o[i].shape[0] = a.o[i].stride[0] = 1; }
    if (vector) {
        const int64_t step = o->stride[0];
        for (i = 0; i < walk->ndim; i++) o->stride[i] = 0;
        o->stride[dim] = step;
    }
    /* gather's and scatter's index may be smaller than the other side */
    o->ndim = walk->ndim;
    for (i = 0; i < walk->ndim; i++) {
        if (vector) o->shape[i] = walk->shape[i];
        else a.o[kind == TG_INDEX_TAKE ? 0 : 1].shape[i] = o->shape[i];
    }
    ok = tg__launch(&a, tg, &tg__family_index, NULL);
    tg__tensor_drop(wide);
    return ok;
}

/* What the checks share. dim is wrapped; 0-d tensors count as 1-d. */
TG__PRIVATE bool tg__index_operands(tg_ctx *tg, tg__node *n) {
    tg__dim_attr *at = (tg__dim_attr *)n->attr;
    if (!tg__wrap_dim(tg, n->in[0], &at->dim, n->in[0]->ndim)) return false;
    /* as torch: of nothing, indices may have any integer type */
    if ((n->in[1]->numel || tg_dtype_is_float(n->in[1]->dtype)) && !tg__is_index(tg, n->in[1])) return false;
    if (n->n_in > 2 && n->in[2]->dtype != n->in[0]->dtype)
        return tg__fail(tg, TG__E_SAME_DTYPE, n->in[0], n->in[2], "");
    return true;
}
/* Is index's shape within t's? `free_dim` may be longer; -1: none. */
TG__PRIVATE bool tg__index_within(tg_ctx *tg, const tg_tensor *index, const tg_tensor *t, int free_dim) {
    int d;
    if ((index->ndim ? index->ndim : 1) != (t->ndim ? t->ndim : 1))
        return tg__fail(tg, TG__E_INDEX_SHAPE, index, t);
    for (d = 0; d < (index->ndim ? index->ndim : 1); d++) {
        int64_t a = index->ndim ? index->shape[d] : 1, b = t->ndim ? t->shape[d] : 1;
        if (d != free_dim && a > b) return tg__fail(tg, TG__E_INDEX_SHAPE, index, t);
    }
    return true;
}
TG__PRIVATE int tg__index_dim(const tg__node *n) { return (int)((const tg__dim_attr *)n->attr)->dim; }

/* src NULL: the op has none */
TG__PRIVATE tg_tensor *tg__index_call(const tg_op *op, tg_tensor *x, int64_t dim, tg_tensor *index, tg_tensor *src) {
    tg__dim_attr at;
    at.dim = dim;
    return tg__apply(op, &at, NULL, x, index, src);
}

/* Zeros beside g, for gradients to be added into. */
TG__PRIVATE tg_tensor *tg__zeros_beside(tg_ctx *tg, const tg_tensor *g, int ndim, const int64_t *shape) {
    return tg__full_beside(tg, g, g->dtype, ndim, shape, 0);
}

/* ---- row-sparse gradients ----
   The header has the whole's shape; its storage holds the rows [K, ...] that `rows` names, packed. */
TG_API bool (tg_is_sparse)(tg_tensor *t) { return t && t->alive && t->opaque == TG__SPARSE; }
TG_API tg_tensor *(tg_sparse_grad)(tg_tensor *t, bool on) {
    tg_ctx *tg = tg__start(t, "sparse_grad");
    if (!tg) return NULL;
    if (!tg__is_leaf(t)) { tg__fail(tg, TG__E_NOT_LEAF, t, t->node->op->name); return NULL; }
    t->sparse_grad = on;
    return t;
}
TG_API tg_tensor *(tg_sparse_new)(tg_tensor *rows, tg_tensor *values, int64_t n) {
    tg_ctx *tg = tg__start2(rows, values, "sparse_new");
    tg_tensor *t, *index;
    int64_t numel, shape[TG_MAX_DIMS];
    if (!tg) return NULL;
    if (!tg__is_index(tg, rows)) return NULL;
    if (rows->ndim != 1 || values->ndim < 1 || values->shape[0] != rows->shape[0] || rows->device != values->device) {
        tg__fail(tg, TG__E_INDEX_SHAPE, rows, values);
        return NULL;
    }
    memcpy(shape, values->shape, sizeof shape[0] * (size_t)values->ndim);
    shape[0] = n;
    if (!tg__check_shape(tg, values->dtype, values->ndim, shape, &numel)) return NULL;
    index = tg_contiguous(tg_to(rows, TG_I64));
    values = tg_contiguous(values);
    t = index && values ? tg__hold(tg, tg__alias(values)) : NULL;
    if (!t) return NULL;
    index->count++;
    t->inner = index; t->opaque = TG__SPARSE; t->data = NULL; t->numel = numel;
    t->shape[0] = n;
    tg__dense_strides(t->ndim, t->shape, t->stride);
    t->made_by = "sparse_new";
    return t;
}
/* the context of a call that takes a row-sparse tensor */
TG__PRIVATE tg_ctx *tg__start_sparse(tg_tensor *t, const char *name) {
    tg_ctx *tg = t ? t->tg : NULL;
    if (!tg__gate(tg)) return NULL;
    tg->where = name;
    if (!tg__use_any(tg, t, 0)) return NULL;
    return t->opaque == TG__SPARSE || tg__fail(tg, TG__E_ARGUMENT, "this tensor is dense; tg_is_sparse asks") ? tg : NULL;
}
TG_API tg_tensor *(tg_sparse_rows)(tg_tensor *t) {
    tg_ctx *tg = tg__start_sparse(t, "sparse_rows");
    return tg ? tg__hold(tg, tg__alias(t->inner)) : NULL;
}
TG_API tg_tensor *(tg_sparse_values)(tg_tensor *t) {
    tg_ctx *tg = tg__start_sparse(t, "sparse_values");
    tg_tensor *v = tg ? tg__hold(tg, tg__alias(t)) : NULL;
    int d;
    if (!v) return NULL;
    v->opaque = 0;
    v->shape[0] = t->inner->numel;
    v->data = v->device == TG_CPU ? v->place : NULL;
    for (v->numel = 1, d = 0; d < v->ndim; d++) v->numel *= v->shape[d];
    tg__dense_strides(v->ndim, v->shape, v->stride);
    return v;
}
TG_API tg_tensor *(tg_to_dense)(tg_tensor *t) {
    tg_ctx *tg = t ? t->tg : NULL;
    if (!tg__gate(tg)) return NULL;
    tg->where = "to_dense";
    if (!tg__use_any(tg, t, 0)) return NULL;
    if (t->opaque != TG__SPARSE) return t;
    return tg_index_add(tg__full_beside(tg, t, t->dtype, t->ndim, t->shape, 0), 0, t->inner, tg_sparse_values(t));
}
/* Two gradients of one shape, one or both row-sparse: the rows of both, or the rows added to the dense one. */
TG__PRIVATE tg_tensor *tg__sparse_sum(tg_ctx *tg, tg_tensor *a, tg_tensor *b) {
    tg_tensor *list[2], *rows;
    (void)tg;
    if (!a->opaque) return tg_index_add(a, 0, b->inner, tg_sparse_values(b));
    if (!b->opaque) return tg_index_add(b, 0, a->inner, tg_sparse_values(a));
    list[0] = a->inner; list[1] = b->inner;
    rows = tg_cat(list, 2, 0);
    list[0] = tg_sparse_values(a); list[1] = tg_sparse_values(b);
    return tg_sparse_new(rows, tg_cat(list, 2, 0), a->shape[0]);
}

/* ------------------------------------------------------------------------ index_select ----
   y[.., k, ..] = x[.., index[k], ..]; dx = g added back into zeros. Saves: index. */
TG__PRIVATE bool tg__index_select_check(tg_ctx *tg, tg__node *n) {
    const tg_tensor *x = n->in[0], *index = n->in[1];
    int64_t shape[TG_MAX_DIMS];
    if (!tg__index_operands(tg, n)) return false;
    if (index->ndim > 1 || (x->ndim == 0 && index->numel != 1)) return tg__fail(tg, TG__E_INDEX_SHAPE, index, x);
    memcpy(shape, x->shape, sizeof shape);
    shape[tg__index_dim(n)] = index->numel;
    return tg__out_make(tg, n, 0, x->dtype, x->ndim, shape);
}
TG__PRIVATE bool tg__index_select_forward(tg_ctx *tg, tg__node *n) {
    return tg__index_walk(tg, TG_INDEX_TAKE, n->out[0], n->in[0], n->in[1], true, tg__index_dim(n));
}
TG__PRIVATE bool tg__index_select_backward(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    const tg__node *from = n->in_slot[0].from;
    const tg_tensor *leaf = from && from->op == &tg__leaf_op ? from->weak[0] : NULL;
    if (n->wants[0] && leaf && leaf->sparse_grad && !tg->grad_mode && tg__index_dim(n) == 0 && n->in[1]->ndim == 1)
        dx[0] = tg_sparse_new(n->in[1], g[0], n->in_slot[0].shape[0]);
    else if (n->wants[0])
        dx[0] = tg_index_add(tg__zeros_beside(tg, g[0], n->in_slot[0].ndim, n->in_slot[0].shape),
            tg__index_dim(n), n->in[1], g[0]);
    return tg->error == TG_OK;
}
static const tg_op tg__index_select_op = { TG__OP("index_select", TG__IN(2), TG__OUT(1), TG__NO_FLAGS), TG__SAVES(TG_SAVE_IN(1)), TG__ATTRS(tg__dim),
    tg__index_select_check, tg__index_select_forward, tg__index_select_backward, NULL };
TG_API tg_tensor *(tg_index_select)(tg_tensor *x, int64_t dim, tg_tensor *index) {
    return tg__index_call(&tg__index_select_op, x, dim, index, NULL);
}

/* ------------------------------------------------------------------------ index_add ----
   y = x, then y[.., index[k], ..] += src[.., k, ..] for k = 0, 1, 2 ...; dx = g, dsrc = g at the indices.
   Saves: index. */
TG__PRIVATE bool tg__index_add_check(tg_ctx *tg, tg__node *n) {
    const tg_tensor *x = n->in[0], *index = n->in[1], *src = n->in[2];
    int dim;
    if (!tg__index_operands(tg, n)) return false;
    dim = tg__index_dim(n);
    if (index->ndim > 1) return tg__fail(tg, TG__E_INDEX_SHAPE, index, x);
    if (!tg__same_but(x, src, dim)) return tg__fail(tg, TG__E_CAT_SHAPE, 2, src, x, dim);
    if (index->numel != (src->ndim ? src->shape[dim] : 1)) return tg__fail(tg, TG__E_INDEX_SHAPE, index, src);
    return tg__out_like(tg, n, 0, x);
}
TG__PRIVATE bool tg__index_add_forward(tg_ctx *tg, tg__node *n) {
    return tg__copy_to(tg, n->out[0], n->in[0])
        && tg__index_walk(tg, TG_INDEX_ADD, n->out[0], n->in[2], n->in[1], true, tg__index_dim(n));
}
TG__PRIVATE bool tg__index_add_backward(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    if (n->wants[0]) dx[0] = g[0];
    if (n->wants[2]) dx[2] = tg_index_select(g[0], tg__index_dim(n), n->in[1]);
    return tg->error == TG_OK;
}
static const tg_op tg__index_add_op = { TG__OP("index_add", TG__IN(3), TG__OUT(1), TG__NO_FLAGS), TG__SAVES3(0, 0, TG_SAVE_IN(1)), TG__ATTRS(tg__dim),
    tg__index_add_check, tg__index_add_forward, tg__index_add_backward, NULL };
TG_API tg_tensor *(tg_index_add)(tg_tensor *x, int64_t dim, tg_tensor *index, tg_tensor *src) {
    return tg__index_call(&tg__index_add_op, x, dim, index, src);
}

/* ------------------------------------------------------------------------ gather ----
   y[.., k, ..] = x[.., index[.., k, ..], ..], of index's shape, which may be smaller than x's in the other
   dimensions; dx = g added back into zeros. Saves: index. */
TG__PRIVATE bool tg__gather_check(tg_ctx *tg, tg__node *n) {
    const tg_tensor *x = n->in[0], *index = n->in[1];
    if (!tg__index_operands(tg, n)) return false;
    /* torch lets an empty index have any shape */
    if (index->numel && !tg__index_within(tg, index, x, tg__index_dim(n))) return false;
    return tg__out_make(tg, n, 0, x->dtype, index->ndim, index->shape);
}
TG__PRIVATE bool tg__gather_forward(tg_ctx *tg, tg__node *n) {
    return tg__index_walk(tg, TG_INDEX_TAKE, n->out[0], n->in[0], n->in[1], false, tg__index_dim(n));
}
TG__PRIVATE bool tg__gather_backward(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    if (n->wants[0])
        dx[0] = tg_scatter_add(tg__zeros_beside(tg, g[0], n->in_slot[0].ndim, n->in_slot[0].shape),
            tg__index_dim(n), n->in[1], g[0]);
    return tg->error == TG_OK;
}
static const tg_op tg__gather_op = { TG__OP("gather", TG__IN(2), TG__OUT(1), TG__NO_FLAGS), TG__SAVES(TG_SAVE_IN(1)), TG__ATTRS(tg__dim),
    tg__gather_check, tg__gather_forward, tg__gather_backward, NULL };
TG_API tg_tensor *(tg_gather)(tg_tensor *x, int64_t dim, tg_tensor *index) {
    return tg__index_call(&tg__gather_op, x, dim, index, NULL);
}

/* ------------------------------------------------------------------------ scatter, scatter_add ----
   y = x, then y[.., index[.., k, ..], ..] = (or +=) src[.., k, ..] in row-major order of index.
   scatter: dx = g with zeros where src went, dsrc = g at the indices, for the src elements that were not
   overwritten by a later one: torch gives those a gradient too.
   scatter_add: dx = g, dsrc = g at the indices. src beyond index's shape gets zeros. Saves: index. */
TG__PRIVATE bool tg__scatter_check(tg_ctx *tg, tg__node *n) {
    if (!tg__index_operands(tg, n)) return false;
    if (n->in[1]->numel && !(tg__index_within(tg, n->in[1], n->in[0], tg__index_dim(n))
                             && tg__index_within(tg, n->in[1], n->in[2], -1))) return false;
    return tg__out_like(tg, n, 0, n->in[0]);
}
TG__PRIVATE bool tg__scatter_forward(tg_ctx *tg, tg__node *n) {
    return tg__copy_to(tg, n->out[0], n->in[0])
        && tg__index_walk(tg, TG_INDEX_PUT, n->out[0], n->in[2], n->in[1], false, tg__index_dim(n));
}
TG__PRIVATE bool tg__scatter_add_forward(tg_ctx *tg, tg__node *n) {
    return tg__copy_to(tg, n->out[0], n->in[0])
        && tg__index_walk(tg, TG_INDEX_ADD, n->out[0], n->in[2], n->in[1], false, tg__index_dim(n));
}
/* t, of index's shape, as the first part of src's. */
TG__PRIVATE tg_tensor *tg__index_pad(tg_ctx *tg, tg_tensor *t, const tg__slot *src) {
    tg__slice_attr at;
    int64_t one = 1;
    int i;
    if (!t || (t->ndim == src->ndim
               && memcmp(t->shape, src->shape, (size_t)t->ndim * sizeof t->shape[0]) == 0)) return t;
    if (t->numel == 0) return tg__zeros_beside(tg, t, src->ndim, src->shape);
    /* one of them is 0-d */
    if (t->ndim != src->ndim) { t = tg_reshape(t, src->ndim, &one); if (!t || src->ndim == 0) return t; }
    memset(&at, 0, sizeof at);
    at.ndim = src->ndim;
    for (i = 0; i < src->ndim; i++) { at.shape[i] = src->shape[i]; at.size[i] = t->shape[i]; at.step[i] = 1; }
    return tg__call(&tg__slice_put_op, &at, &t, 1, NULL, 1);
}
/* Which elements of src are still there after a scatter? Their numbers are. */
TG__PRIVATE tg_tensor *tg__scatter_survivors(tg_ctx *tg, tg__node *n) {
    tg_tensor *index = n->in[1], *number = tg__count_beside(tg, index, index->numel), *written;
    int dim = tg__index_dim(n);
    number = tg_reshape(number, index->ndim, index->shape);
    written = tg_scatter(tg__full_beside(tg, index, TG_I64, n->in_slot[0].ndim, n->in_slot[0].shape, -1), dim, index, number);
    return tg_eq(tg_gather(written, dim, index), number);
}
TG__PRIVATE bool tg__scatter_backward(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    tg_tensor *index = n->in[1];
    int dim = tg__index_dim(n);
    if (n->wants[0]) dx[0] = tg_scatter(g[0], dim, index, tg__zeros_beside(tg, g[0], index->ndim, index->shape));
    if (n->wants[2])
        dx[2] = tg__index_pad(tg,
            tg_where(tg__scatter_survivors(tg, n), tg_gather(g[0], dim, index), tg_number(tg, 0)), &n->in_slot[2]);
    return tg->error == TG_OK;
}
TG__PRIVATE bool tg__scatter_add_backward(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    if (n->wants[0]) dx[0] = g[0];
    if (n->wants[2]) dx[2] = tg__index_pad(tg, tg_gather(g[0], tg__index_dim(n), n->in[1]), &n->in_slot[2]);
    return tg->error == TG_OK;
}
static const tg_op tg__scatter_op = { TG__OP("scatter", TG__IN(3), TG__OUT(1), TG__NO_FLAGS), TG__SAVES3(TG_SAVE_IN(1), 0, TG_SAVE_IN(1)), TG__ATTRS(tg__dim),
    tg__scatter_check, tg__scatter_forward, tg__scatter_backward, NULL };
static const tg_op tg__scatter_add_op = { TG__OP("scatter_add", TG__IN(3), TG__OUT(1), TG__NO_FLAGS), TG__SAVES3(0, 0, TG_SAVE_IN(1)), TG__ATTRS(tg__dim),
    tg__scatter_check, tg__scatter_add_forward, tg__scatter_add_backward, NULL };
TG_API tg_tensor *(tg_scatter)(tg_tensor *x, int64_t dim, tg_tensor *index, tg_tensor *src) {
    return tg__index_call(&tg__scatter_op, x, dim, index, src);
}
TG_API tg_tensor *(tg_scatter_add)(tg_tensor *x, int64_t dim, tg_tensor *index, tg_tensor *src) {
    return tg__index_call(&tg__scatter_add_op, x, dim, index, src);
}

/* ------------------------------------------------------------------------ one_hot ----
   y[..., c] = 1 where c is the index, else 0. classes -1: one more than the largest index, which is read here. */
typedef struct tg__one_hot_attr { int64_t classes; } tg__one_hot_attr;
static const tg_attr tg__one_hot_attrs[] = { TG__ATTR(tg__one_hot_attr, classes, INT) };

TG__PRIVATE bool tg__one_hot_check(tg_ctx *tg, tg__node *n) {
    const tg__one_hot_attr *at = (const tg__one_hot_attr *)n->attr;
    const tg_tensor *index = n->in[0];
    int64_t shape[TG_MAX_DIMS + 1];
    if (!tg__is_index(tg, index)) return false;
    if (at->classes < 1)
        return tg__fail(tg, TG__E_RANGE, "classes",
            "a positive number, or -1 to take one more than the largest index", (double)at->classes);
    memcpy(shape, index->shape, sizeof index->shape);
    shape[index->ndim] = at->classes;
    return tg__out_make(tg, n, 0, TG_I64, index->ndim + 1, shape);
}
TG__PRIVATE bool tg__one_hot_forward(tg_ctx *tg, tg__node *n) {
    tg_tensor *y = n->out[0], index = *n->in[0], ones, *one;
    bool ok;
    if (!tg__fill(tg, y, 0, 0, true)) return false;
    one = tg__tensor_make(tg, y->device, TG_I64, 0, NULL, NULL);
    ok = one && tg__fill(tg, one, 0, 1, true);
    /* a scatter of ones along the new dimension */
    if (ok) {
        index.shape[index.ndim] = 1; index.stride[index.ndim] = 1; index.ndim++;
        ones = *one;
        ones.ndim = index.ndim; ones.numel = index.numel;
        memcpy(ones.shape, index.shape, sizeof ones.shape);
        memset(ones.stride, 0, sizeof ones.stride);
        ok = tg__index_walk(tg, TG_INDEX_PUT, y, &ones, &index, false, y->ndim - 1);
    }
    tg__tensor_drop(one);
    return ok;
}
static const tg_op tg__one_hot_op = { TG__OP("one_hot", TG__IN(1), TG__OUT(1), TG_OP_NO_GRAD), TG__NO_SAVES, TG__ATTRS(tg__one_hot),
    tg__one_hot_check, tg__one_hot_forward, NULL, NULL };
TG_API tg_tensor *(tg_one_hot)(tg_tensor *index, int64_t classes) {
    tg_ctx *tg = tg__start(index, "one_hot");
    tg__one_hot_attr at;
    if (!tg) return NULL;
    at.classes = classes;
    if (classes == -1 && (index->dtype == TG_I64 || index->dtype == TG_I32)) {
        int64_t most;
        if (index->numel == 0) {
            tg__fail(tg, TG__E_ARGUMENT, "the number of classes cannot be taken from an empty tensor");
            return NULL;
        }
        most = tg__imax(0, tg_item_i64(tg_max(index)));
        if (tg_failed(tg)) return NULL;
        at.classes = most < INT64_MAX ? most + 1 : most;
    }
    return tg__call(&tg__one_hot_op, &at, &index, 1, NULL, 1);
}

/* ======================================================================================
   >>impl-gemm    matrix products: which path, cut into phases and chunks
   Owns tg__gemm_plan. Kernels know nothing of dtypes, batches and threads; this section knows nothing of registers.
   A product takes one of these paths, by its sizes and strides alone:
     strips    one phase; a chunk is a strip of one matrix, or several whole small matrices; b is packed, if at
               all, by the chunk for itself
     blocks    K in blocks of 512, one phase each; chunks are strips, c (or a buffer of sums) holds the blocks before
     shared    large products: a phase packs one k-block of a and b for everybody, the next computes tiles of c
     partial   few rows, large b: every chunk streams its own piece of b into partial sums; a second phase adds them
     dots      reductions (the order is told in >>pass-gemm), along k
     lanes     reductions too: some of the 64 lanes of many columns at once
     whole     integers
   Tests: tests/golden.c, tests/test_bits.c
   ====================================================================================== */

TG__KERNEL(int64_t, tg__gemm_shape_f32, (int what, int64_t kc));
TG__KERNEL(int64_t, tg__gemm_shape_f64, (int what, int64_t kc));
TG__KERNEL(void, tg__gemm_strip_f32, (const tg__gemm_part *s));
TG__KERNEL(void, tg__gemm_strip_f64, (const tg__gemm_part *s));
TG__KERNEL(void, tg__gemm_block_f32, (const tg__gemm_part *s));
TG__KERNEL(void, tg__gemm_block_f64, (const tg__gemm_part *s));
TG__KERNEL(void, tg__gemm_panels_f32, (int kind, const void *src, int64_t k_step, int64_t line,
    int64_t kc, int64_t n, void *out, int64_t width, int64_t step));
TG__KERNEL(void, tg__gemm_panels_f64, (int kind, const void *src, int64_t k_step, int64_t line,
    int64_t kc, int64_t n, void *out, int64_t width, int64_t step));
TG__KERNEL(void, tg__gemm_dots_f32, (const tg__gemm_part *s));
TG__KERNEL(void, tg__gemm_dots_f64, (const tg__gemm_part *s));
TG__KERNEL(void, tg__gemm_lanes_f32, (const tg__gemm_part *s, int cls, int classes));
TG__KERNEL(void, tg__gemm_lanes_f64, (const tg__gemm_part *s, int cls, int classes));
TG__KERNEL(void, tg__gemm_finish_f32, (const tg__gemm_last *f));
TG__KERNEL(void, tg__gemm_finish_f64, (const tg__gemm_last *f));
TG__KERNEL(int, tg__gemm_words_op, (int type, unsigned features));
TG__KERNEL(void, tg__gemm_words_panels, (int op, int size, bool is_signed, bool is_b, bool both_signed,
    const void *src, int64_t k_step, int64_t line, int64_t kc, int64_t n, void *out, int64_t step));
TG__KERNEL(void, tg__gemm_words_block, (int op, const tg__gemm_part *s));
#define TG__GEMM_CALL(job, name) ((job)->wide ? name##_f64__k : name##_f32__k)[(job)->isa]

enum {
    TG__GEMM_STRIPS, TG__GEMM_BLOCKS, TG__GEMM_SHARED, TG__GEMM_PARTIAL,
    TG__GEMM_DOTS, TG__GEMM_LANES, TG__GEMM_WHOLE
};
enum {
    TG__GEMM_CHUNK = 3 << 20,       /* multiply-adds of a chunk at most, about: 25 us with AVX-512 */
    TG__GEMM_LONE  = 3 << 19,       /* below this a second thread costs more than it brings */
    TG__GEMM_BYTES = 1 << 20,       /* bytes of a chunk that waits for memory */
    TG__GEMM_SPAN  = 512,           /* columns of a piece of partial sums */
    TG__GEMM_STACK = 1024           /* bytes of scratch that fit on the stack of a small fiber */
};

typedef struct tg__gemm_plan {
    tg__job job;
    /* the product, from the request */
    int     ta, tb, tc;
    int64_t m, n, k;
    const void *a, *b; void *c;
    int64_t a_rs, a_cs, b_rs, b_cs, c_rs, c_cs;
    int     batch_dims;
    int64_t batch[6], a_bs[6], b_bs[6], c_bs[6];
    const void *bias; int64_t bias_rs, bias_cs;
    bool    accumulate;
    /* how it is cut; written in phase 0, read by all */
    tg_ctx *tg;
    int     path, isa;
    bool    wide;                   /* computed in double */
    bool    direct;                 /* kernels write c itself */
    bool    turned;                 /* c^T = b^T a^T is computed: a and b have changed places in part */
    tg__gemm_part part;             /* the whole of one matrix, turned if that suits the kernels */
    tg__gemm_last last;
    int64_t batches;
    int64_t mr, nr;                 /* the pass's tile */
    int64_t ms, ns, mt, nt, kt;     /* rows and columns of a chunk; how many chunks that makes; k-blocks */
    int64_t per;                    /* matrices per chunk, where a chunk is not a strip */
    int64_t kb, now;                /* shared, blocks: k-block and matrix of this phase */
    bool    second;                 /* this phase computes from packed panels, or adds partial sums up */
    size_t  size, size_a, size_b, size_c;    /* bytes of an element: computed in, a, b, c */
    size_t  scratch, work;          /* bytes of scratch a chunk takes; of these, packed panels */
    char   *mem; size_t mem_bytes;
    int64_t a_step, b_step;         /* shared: elements from one packed panel to the next */
    int     classes;                /* lanes: 8 or 32, each of the lanes that are equal modulo it */
    int     words;                  /* shared: the dot product instruction, or 0 */
    int64_t block;                  /* shared: k of one phase */
} tg__gemm_plan;

/* A product whose sums would leave the vector units idle is a reduction. By one matrix's sizes only: the
   order of summation hangs on it. */
TG__PRIVATE bool tg__gemm_is_reduction(int64_t m, int64_t n, int64_t k) {
    return k >= 64 && (m == 1 || n == 1 || m * n <= 16 || k / 64 >= m * n);
}

TG__PRIVATE int64_t tg__gemm_offset(const tg__gemm_plan *j, const int64_t *stride, int64_t i) {
    int64_t at = 0;
    for (int d = j->batch_dims - 1; d >= 0; d--) {
        at += i % j->batch[d] * stride[d];
        i /= j->batch[d];
    }
    return at;
}

/* Matrices of a batch that share b and lie one under another in a and c are one matrix with more rows. */
TG__PRIVATE bool tg__gemm_stacked(const tg__gemm_plan *j) {
    int64_t a_rows = j->m * j->a_rs, c_rows = j->m * j->c_rs;
    if (j->bias && j->bias_rs) return false;
    for (int d = j->batch_dims - 1; d >= 0; d--) {
        if (j->batch[d] == 1) continue;
        if (j->b_bs[d] != 0 || j->a_bs[d] != a_rows || j->c_bs[d] != c_rows) return false;
        a_rows *= j->batch[d];
        c_rows *= j->batch[d];
    }
    return true;
}

TG__PRIVATE int tg__gemm_kind(int type) {
    return type == TG_BF16 ? TG__GEMM_BF16 : type == TG_F16 ? TG__GEMM_F16 : TG__GEMM_OWN;
}

/* The job as kernels see it. c should have its columns side by side; where its rows are, c^T = b^T a^T is
   computed. */
TG__PRIVATE void tg__gemm_normalise(tg__gemm_plan *j, bool may_turn) {
    tg__gemm_part *p = &j->part;
    tg__gemm_last *f = &j->last;
    const bool turn = may_turn && j->m > 1 && (j->n == 1 || (j->c_cs != 1 && j->c_rs == 1));
    p->m = turn ? j->n : j->m;
    p->n = turn ? j->m : j->n;
    p->k = j->k;
    p->a = turn ? j->b : j->a;
    p->b = turn ? j->a : j->b;
    p->a_rs = turn ? j->b_cs : j->a_rs;
    p->a_cs = turn ? j->b_rs : j->a_cs;
    p->b_rs = turn ? j->a_cs : j->b_rs;
    p->b_cs = turn ? j->a_rs : j->b_cs;
    p->ka = tg__gemm_kind(turn ? j->tb : j->ta);
    p->kb = tg__gemm_kind(turn ? j->ta : j->tb);
    p->d = j->c;
    p->add = p->stream = false;
    p->pack_a = p->ka != TG__GEMM_OWN;
    p->pack_b = p->kb != TG__GEMM_OWN || (p->b_cs != 1 && p->n > 1);
    p->ks = tg__imin(TG__GEMM_KB, p->k);
    p->work = NULL;
    f->m = p->m;
    f->n = p->n;
    f->bias = j->bias;
    f->bias_rs = turn ? j->bias_cs : j->bias_rs;
    f->bias_cs = turn ? j->bias_rs : j->bias_cs;
    f->c = j->c;
    f->c_rs = turn ? j->c_cs : j->c_rs;
    f->c_cs = turn ? j->c_rs : j->c_cs;
    if (p->n == 1) f->c_cs = 1;
    f->kc = tg__gemm_kind(j->tc);
    f->accumulate = j->accumulate;
    f->parts = 1;
    f->tree = 1;
    f->part_step = 0;
    p->d_rs = f->c_rs;
    j->size = j->wide ? 8 : 4;
    j->size_a = tg_dtype_size((tg_dtype)(turn ? j->tb : j->ta));
    j->size_b = tg_dtype_size((tg_dtype)(turn ? j->ta : j->tb));
    j->size_c = tg_dtype_size((tg_dtype)j->tc);
    j->turned = turn;
}

/* Matrix number i of the batch. */
TG__PRIVATE void tg__gemm_matrix(const tg__gemm_plan *j, int64_t i, tg__gemm_part *p, tg__gemm_last *f) {
    *p = j->part;
    *f = j->last;
    if (j->batches == 1) return;
    const int64_t *as = j->turned ? j->b_bs : j->a_bs, *bs = j->turned ? j->a_bs : j->b_bs;
    p->a = (const char *)p->a + tg__gemm_offset(j, as, i) * (int64_t)j->size_a;
    p->b = (const char *)p->b + tg__gemm_offset(j, bs, i) * (int64_t)j->size_b;
    f->c = (char *)f->c + tg__gemm_offset(j, j->c_bs, i) * (int64_t)j->size_c;
    p->d = f->c;
}

/* Narrows p and f to m rows from `row` and n columns from `col`. */
TG__PRIVATE void tg__gemm_narrow(const tg__gemm_plan *j, tg__gemm_part *p, tg__gemm_last *f,
    int64_t row, int64_t m, int64_t col, int64_t n) {
    p->a = (const char *)p->a + row * p->a_rs * (int64_t)j->size_a;
    p->b = (const char *)p->b + col * p->b_cs * (int64_t)j->size_b;
    p->m = f->m = m;
    p->n = f->n = n;
    f->c = (char *)f->c + (row * f->c_rs + col * f->c_cs) * (int64_t)j->size_c;
    p->d = f->c;
    if (f->bias) f->bias = (const char *)f->bias + (row * f->bias_rs + col * f->bias_cs) * (int64_t)j->size_c;
}

/* Sums of one piece are in s; c is written, unless the kernel has done that already. */
TG__PRIVATE void tg__gemm_end(const tg__gemm_plan *j, tg__gemm_last *f, const void *s, int64_t s_rs) {
    if (j->direct && !f->bias) return;
    f->s = s;
    f->s_rs = s_rs;
    if (j->direct) f->accumulate = false;
    TG__GEMM_CALL(j, tg__gemm_finish)(f);
}

/* ---- strips and blocks */

/* Notes the scratch that a strip of these sizes takes: packed panels, and its sums where c cannot hold them. */
TG__PRIVATE void tg__gemm_size_strip(tg__gemm_plan *j, int64_t ms, int64_t ns) {
    const tg__gemm_part *p = &j->part;
    int64_t work = 0;
    if (p->pack_b) work += p->ks * j->nr + 16;
    if (p->pack_a) work += tg__ceil_div(ms, j->mr) * TG__GEMM_CALL(j, tg__gemm_shape)(2, p->ks);
    j->work = TG__ROUND_UP((size_t)work * j->size, 64);
    j->scratch = j->work + (j->direct || j->path == TG__GEMM_BLOCKS || j->path == TG__GEMM_PARTIAL ? 0
        : (size_t)(ms * ns) * j->size);
}

/* Strips of about TG__GEMM_CHUNK multiply-adds: columns are cut down to 4 tiles, then rows, then columns again. */
TG__PRIVATE void tg__gemm_cut(tg__gemm_plan *j, int64_t kc) {
    const tg__gemm_part *p = &j->part;
    const int64_t area = tg__imin(1 << 16, TG__GEMM_CHUNK / tg__imax(16, kc));      /* c's elements in a chunk */
    const int64_t least = tg__imax(j->nr, 64 / j->nr * j->nr), tall = 128 / j->mr * j->mr;
    int64_t ms = p->m, ns = p->n;
    if (ms * ns > area) {
        if (ms > tall) ms = tg__imin(p->m, tg__imax(tall, area / tg__imin(128, ns)) / j->mr * j->mr);
        if (ms * ns > area) ns = tg__imin(p->n, tg__ceil_div(area / ms, least) * least);
    } else if (j->batches == 1) {                                    /* one chunk would do, but two threads are worth having */
        if (ns >= 2 * least) ns = tg__ceil_div(tg__ceil_div(ns, 2), least) * least;
        else if (ms >= 2 * j->mr) ms = tg__ceil_div(tg__ceil_div(ms, 2), j->mr) * j->mr;
    }
    j->ms = ms;
    j->ns = ns;
    j->mt = tg__ceil_div(p->m, ms);
    j->nt = tg__ceil_div(p->n, ns);
}

/* Strip i of matrix `at`, k-block kb or all of K when kb is -1. Every path that uses strips ends here. */
TG__PRIVATE void tg__gemm_strip(const tg__gemm_plan *j, int64_t at, int64_t i, int64_t kb, char *scratch) {
    tg__gemm_part p;
    tg__gemm_last f;
    tg__gemm_matrix(j, at, &p, &f);
    const int64_t whole_n = p.n, row = i % j->mt * j->ms, col = i / j->mt * j->ns;
    tg__gemm_narrow(j, &p, &f, row, tg__imin(j->ms, p.m - row), col, tg__imin(j->ns, p.n - col));
    p.work = scratch;
    p.add = j->direct && f.accumulate;
    if (!j->direct) {
        p.d = scratch + j->work;
        p.d_rs = p.n;
        if (kb >= 0) {                                                /* sums of all of c, [kt,] m, n */
            const int64_t part = at * (j->path == TG__GEMM_PARTIAL ? j->kt : 1)
                + (j->path == TG__GEMM_PARTIAL ? kb : 0);
            p.d = j->mem + ((part * j->part.m + row) * whole_n + col) * (int64_t)j->size;
            p.d_rs = whole_n;
        }
    }
    if (kb >= 0) {
        p.a = (const char *)p.a + kb * TG__GEMM_KB * p.a_cs * (int64_t)j->size_a;
        p.b = (const char *)p.b + kb * TG__GEMM_KB * p.b_rs * (int64_t)j->size_b;
        p.k = tg__imin(TG__GEMM_KB, p.k - kb * TG__GEMM_KB);
        if (kb > 0 && j->path == TG__GEMM_BLOCKS) p.add = true;
    }
    TG__GEMM_CALL(j, tg__gemm_strip)(&p);
    if (kb < 0 || (j->path == TG__GEMM_BLOCKS && kb == j->kt - 1)) tg__gemm_end(j, &f, p.d, p.d_rs);
}

/* ---- shared */

/* From i32 sums to c where the dot product kernels have not done it all. */
TG__PRIVATE void tg__gemm_int_end(const tg__gemm_plan *j, const tg__gemm_last *f, const int32_t *s, int64_t s_rs) {
    int32_t *c = (int32_t *)f->c;
    if (j->direct && !f->bias) return;
    for (int64_t i = 0; i < f->m; i++)
        for (int64_t k = 0; k < f->n; k++) {
            uint32_t v = (uint32_t)s[i * s_rs + k];
            if (f->bias) v += (uint32_t)((const int32_t *)f->bias)[i * f->bias_rs + k * f->bias_cs];
            if (!j->direct && f->accumulate) v += (uint32_t)c[i * f->c_rs + k * f->c_cs];
            c[i * f->c_rs + k * f->c_cs] = (int32_t)v;
        }
}

TG__PRIVATE void tg__gemm_pack_chunk(const tg__gemm_plan *j, int64_t i) {
    tg__gemm_part p;
    tg__gemm_last f;
    tg__gemm_matrix(j, j->now, &p, &f);
    const int64_t k0 = j->kb * j->block, kc = tg__imin(j->block, p.k - k0);
    const int64_t a_panels = tg__ceil_div(p.m, j->mr), a_chunks = tg__ceil_div(p.m, j->ms);
    char *ap = j->mem, *bp = j->mem + (size_t)(a_panels * j->a_step) * j->size;
    if (j->words) {
        const bool is_b = i >= a_chunks, a_signed = j->ta == TG_I8;
        const int64_t width = is_b ? j->nr : j->mr, each = is_b ? j->ns : j->ms,
            from = (is_b ? i - a_chunks : i) * each;
        const int64_t line = is_b ? p.b_cs : p.a_rs, k_step = is_b ? p.b_rs : p.a_cs,
            n = tg__imin(each, (is_b ? p.n : p.m) - from), step = is_b ? j->b_step : j->a_step;
        const int size = (int)j->size_a;
        tg__gemm_words_panels__k[j->isa](j->words, size, is_b || a_signed, is_b, a_signed,
            (const char *)(is_b ? p.b : p.a) + (from * line + k0 * k_step) * size, k_step, line,
            kc, n, (is_b ? bp : ap) + from / width * step * 4, step);
    } else if (i < a_chunks) {
        const int64_t from = i * j->ms, n = tg__imin(j->ms, p.m - from);
        TG__GEMM_CALL(j, tg__gemm_panels)(p.ka,
            (const char *)p.a + (from * p.a_rs + k0 * p.a_cs) * (int64_t)j->size_a, p.a_cs, p.a_rs,
            kc, n, ap + from / j->mr * j->a_step * (int64_t)j->size, j->mr, j->a_step);
    } else {
        const int64_t from = (i - a_chunks) * j->ns, n = tg__imin(j->ns, p.n - from);
        TG__GEMM_CALL(j, tg__gemm_panels)(p.kb,
            (const char *)p.b + (from * p.b_cs + k0 * p.b_rs) * (int64_t)j->size_b, p.b_rs, p.b_cs,
            kc, n, bp + from / j->nr * j->b_step * (int64_t)j->size, j->nr, j->b_step);
    }
}
TG__PRIVATE void tg__gemm_tile_chunk(const tg__gemm_plan *j, int64_t i) {
    tg__gemm_part p;
    tg__gemm_last f;
    tg__gemm_matrix(j, j->now, &p, &f);
    const int64_t k0 = j->kb * j->block, row = i % j->mt * j->ms, col = i / j->mt * j->ns, whole_n = p.n;
    const int64_t a_panels = tg__ceil_div(p.m, j->mr), size = (int64_t)j->size;
    char *ap = j->mem, *bp = ap + a_panels * j->a_step * size,
        *sums = bp + tg__ceil_div(p.n, j->nr) * j->b_step * size;
    tg__gemm_narrow(j, &p, &f, row, tg__imin(j->ms, p.m - row), col, tg__imin(j->ns, p.n - col));
    p.k = tg__imin(j->block, p.k - k0);
    p.a = ap + row / j->mr * j->a_step * size;
    p.b = bp + col / j->nr * j->b_step * size;
    p.a_step = j->a_step;
    p.b_step = j->b_step;
    p.add = k0 > 0 || (j->direct && f.accumulate);
    if (!j->direct) {
        p.d = sums + (row * whole_n + col) * size;
        p.d_rs = whole_n;
    }
    if (j->words) tg__gemm_words_block__k[j->isa](j->words, &p);
    else TG__GEMM_CALL(j, tg__gemm_block)(&p);
    if (j->kb == j->kt - 1) {
        if (j->tc == TG_I32) tg__gemm_int_end(j, &f, (const int32_t *)p.d, p.d_rs);
        else tg__gemm_end(j, &f, p.d, p.d_rs);
    }
}

/* ---- reductions */

/* Piece i of matrix `at`: all of K when it is one block, else block i / (mt nt) into partial sums. */
TG__PRIVATE void tg__gemm_dots(const tg__gemm_plan *j, int64_t at, int64_t i, char *scratch) {
    tg__gemm_part p;
    tg__gemm_last f;
    tg__gemm_matrix(j, at, &p, &f);
    const int64_t kb = i / (j->mt * j->nt), whole_n = p.n, row = i % j->mt * j->ms, col = i / j->mt % j->nt * j->ns;
    tg__gemm_narrow(j, &p, &f, row, tg__imin(j->ms, p.m - row), col, tg__imin(j->ns, p.n - col));
    p.work = scratch;
    if (!j->direct) {
        p.d = j->mem ? j->mem + (((at * j->kt + kb) * j->part.m + row) * whole_n + col) * (int64_t)j->size
            : scratch + j->work;
        p.d_rs = j->mem ? whole_n : p.n;
    }
    p.a = (const char *)p.a + kb * TG__GEMM_RB * p.a_cs * (int64_t)j->size_a;
    p.b = (const char *)p.b + kb * TG__GEMM_RB * p.b_rs * (int64_t)j->size_b;
    p.k = tg__imin(TG__GEMM_RB, p.k - kb * TG__GEMM_RB);
    TG__GEMM_CALL(j, tg__gemm_dots)(&p);
    if (!j->mem) tg__gemm_end(j, &f, p.d, p.d_rs);
}

/* One span of columns. With memory for partial sums: one class of lanes of one k-block. Otherwise all eight
   classes, and the result. */
TG__PRIVATE void tg__gemm_lanes(const tg__gemm_plan *j, int64_t at, int64_t i, char *scratch) {
    tg__gemm_part p;
    tg__gemm_last f;
    tg__gemm_matrix(j, at, &p, &f);
    const int64_t col = i % j->nt * j->ns, whole_n = p.n, size = (int64_t)j->size;
    const int64_t kb = j->mem ? i / j->nt / j->classes : 0;
    tg__gemm_narrow(j, &p, &f, 0, 1, col, tg__imin(j->ns, p.n - col));
    p.work = scratch;
    p.a = (const char *)p.a + kb * TG__GEMM_RB * p.a_cs * (int64_t)j->size_a;
    p.b = (const char *)p.b + kb * TG__GEMM_RB * p.b_rs * (int64_t)j->size_b;
    p.k = tg__imin(TG__GEMM_RB, p.k - kb * TG__GEMM_RB);
    if (j->mem) {
        p.d = j->mem + ((at * j->kt * j->classes + i / j->nt) * whole_n + col) * size;
        TG__GEMM_CALL(j, tg__gemm_lanes)(&p, (int)(i / j->nt % j->classes), j->classes);
        return;
    }
    for (int cls = 0; cls < 8; cls++) {
        p.d = scratch + j->work + cls * j->ns * size;
        TG__GEMM_CALL(j, tg__gemm_lanes)(&p, cls, 8);
    }
    f.s = scratch + j->work;
    f.s_rs = 0;
    f.tree = 8;
    f.part_step = j->ns;
    TG__GEMM_CALL(j, tg__gemm_finish)(&f);
}

/* The second phase of the paths with partial sums: rows and columns of c, all parts of each. */
TG__PRIVATE void tg__gemm_combine(const tg__gemm_plan *j, int64_t i) {
    tg__gemm_part p;
    tg__gemm_last f;
    const int64_t wide = tg__ceil_div(j->part.n, TG__GEMM_SPAN), at = i / (wide * j->part.m),
        row = i / wide % j->part.m, col = i % wide * TG__GEMM_SPAN;
    tg__gemm_matrix(j, at, &p, &f);
    tg__gemm_narrow(j, &p, &f, row, 1, col, tg__imin(TG__GEMM_SPAN, p.n - col));
    f.tree = j->path == TG__GEMM_LANES ? j->classes : 1;
    f.parts = j->kt;
    f.part_step = j->part.m * j->part.n;
    f.s = j->mem + (at * j->kt * f.tree * f.part_step + row * j->part.n + col) * (int64_t)j->size;
    f.s_rs = 0;
    TG__GEMM_CALL(j, tg__gemm_finish)(&f);
}

/* ---- integers: any strides, products and sums modulo 2^64, cut to the result's type */

/* Integers of any type, widened. */
TG__PRIVATE int64_t tg__gemm_int(const void *p, int64_t i, int type) {
    switch (type) {
    case TG_I64: return ((const int64_t *)p)[i];
    case TG_I32: return ((const int32_t *)p)[i];
    case TG_I16: return ((const int16_t *)p)[i];
    case TG_I8:  return ((const int8_t *)p)[i];
    default:     return ((const uint8_t *)p)[i];
    }
}
TG__PRIVATE void tg__gemm_int_put(void *p, int64_t i, int type, uint64_t v) {
    switch (type) {
    case TG_I64: ((int64_t *)p)[i] = (int64_t)v; break;
    case TG_I32: ((int32_t *)p)[i] = (int32_t)(uint32_t)v; break;
    case TG_I16: ((int16_t *)p)[i] = (int16_t)(uint16_t)v; break;
    case TG_I8:  ((int8_t *)p)[i]  = (int8_t)(uint8_t)v; break;
    default:     ((uint8_t *)p)[i] = (uint8_t)v; break;
    }
}

TG__PRIVATE void tg__gemm_ints(const tg__gemm_plan *j, int64_t i) {
    const int64_t at = i / (j->mt * j->nt), row = i % j->mt * j->ms, col = i / j->mt % j->nt * j->ns;
    const int64_t a0 = tg__gemm_offset(j, j->a_bs, at), b0 = tg__gemm_offset(j, j->b_bs, at),
        c0 = tg__gemm_offset(j, j->c_bs, at);
    for (int64_t r = row; r < j->m && r < row + j->ms; r++)
        for (int64_t s = col; s < j->n && s < col + j->ns; s++) {
            uint64_t sum = 0;
            for (int64_t k = 0; k < j->k; k++)
                sum += (uint64_t)tg__gemm_int(j->a, a0 + r * j->a_rs + k * j->a_cs, j->ta)
                    * (uint64_t)tg__gemm_int(j->b, b0 + k * j->b_rs + s * j->b_cs, j->tb);
            if (j->bias) sum += (uint64_t)tg__gemm_int(j->bias, r * j->bias_rs + s * j->bias_cs, j->tc);
            const int64_t to = c0 + r * j->c_rs + s * j->c_cs;
            if (j->accumulate) sum += (uint64_t)tg__gemm_int(j->c, to, j->tc);
            tg__gemm_int_put(j->c, to, j->tc, sum);
        }
}

/* ---- the plan */

TG__PRIVATE bool tg__gemm_memory(tg__gemm_plan *j, int64_t elements) {
    j->mem_bytes = (size_t)elements * j->size;
    j->mem = (char *)tg__mem_get(j->tg, j->mem_bytes);
    return j->mem != NULL;
}

/* The shared path; with an instruction for dot products when words is not 0: then panels hold words of g
   elements each. */
TG__PRIVATE bool tg__gemm_plan_shared(tg__gemm_plan *j, int words) {
    const tg__gemm_part *p = &j->part;
    const int64_t g = words == 0 ? 1 : words == TG__GEMM_DOT_BYTES ? 4 : 2;
    j->path = TG__GEMM_SHARED;
    j->words = words;
    j->mr = TG__GEMM_CALL(j, tg__gemm_shape)(0, 0);
    j->nr = TG__GEMM_CALL(j, tg__gemm_shape)(1, 0);
    j->ms = tg__ceil_div(112, j->mr) * j->mr;
    j->ns = 128 / j->nr * j->nr;
    j->mt = tg__ceil_div(p->m, j->ms);
    j->nt = tg__ceil_div(p->n, j->ns);
    j->block = TG__GEMM_KB * g;
    j->kt = tg__ceil_div(p->k, j->block);
    const int64_t kc = p->k < j->block ? tg__ceil_div(p->k, g) : TG__GEMM_KB;
    j->a_step = TG__GEMM_CALL(j, tg__gemm_shape)(2, kc);
    j->b_step = kc * j->nr + (words ? j->nr : 16);
    return tg__gemm_memory(j, tg__ceil_div(p->m, j->mr) * j->a_step + tg__ceil_div(p->n, j->nr) * j->b_step +
        (j->direct ? 0 : p->m * p->n));
}

TG__PRIVATE bool tg__gemm_plan_reduction(tg__gemm_plan *j) {
    tg__gemm_part *p = &j->part;
    const int64_t work = p->m * p->n * p->k;
    j->kt = tg__ceil_div(p->k, TG__GEMM_RB);
    j->direct = j->direct && j->kt == 1 && !j->accumulate;
    if (p->m == 1 && p->b_cs == 1 && p->b_rs != 1 && p->n > 1) {
        const bool lone = j->kt == 1 && work <= TG__GEMM_LONE / 4;
        j->path = TG__GEMM_LANES;
        j->direct = false;
        /* long runs through few rows are what memory likes: where there are many columns, few lanes of them */
        const int64_t span = lone ? TG__GEMM_SPAN : 8 * TG__GEMM_SPAN;
        j->classes = !lone && p->n >= 1024 ? 32 : 8;
        j->ns = p->n < span ? (p->n + 15) / 16 * 16 : span;
        j->mt = 1;
        j->nt = tg__ceil_div(p->n, j->ns);
        j->work = (size_t)(j->ns * 4) * j->size;
        j->scratch = j->work + (lone ? (size_t)(j->ns * 8) * j->size : 0);
        return lone || tg__gemm_memory(j, j->batches * j->kt * j->classes * p->n);
    }
    j->path = TG__GEMM_DOTS;
    j->ms = tg__imin(4, p->m);
    const int64_t kc = tg__imin(TG__GEMM_RB, p->k);
    j->ns = tg__imax(1, tg__imin(p->n, TG__GEMM_BYTES / 4 / kc / j->ms));
    j->mt = tg__ceil_div(p->m, j->ms);
    j->nt = tg__ceil_div(p->n, j->ns);
    j->work = (size_t)((p->b_rs == 1 ? 0 : kc)
        + (p->a_cs == 1 && p->ka == TG__GEMM_OWN ? 0 : kc * j->ms)) * j->size;
    j->scratch = j->work;
    if (j->kt > 1) {
        if (!tg__gemm_memory(j, j->batches * j->kt * p->m * p->n)) return false;
    } else if (!j->direct) j->scratch += (size_t)(j->ms * j->ns) * j->size;
    return true;
}

/* The path of a float product that is no reduction, and how it is cut. */
TG__PRIVATE bool tg__gemm_plan_sums(tg__gemm_plan *j) {
    tg__gemm_part *p = &j->part;
    const int64_t work = p->m * p->n * tg__imax(16, p->k);
    j->kt = tg__ceil_div(p->k, TG__GEMM_KB);
    j->per = 1;
    j->path = TG__GEMM_STRIPS;
    j->mr = TG__GEMM_CALL(j, tg__gemm_shape)(0, 0);
    j->nr = TG__GEMM_CALL(j, tg__gemm_shape)(1, 0);
    j->direct = j->direct && !(j->accumulate && (j->kt > 1 || j->last.bias));
    if (work <= TG__GEMM_LONE) {
        j->per = tg__imax(1, TG__GEMM_CHUNK / work);
        j->ms = p->m;
        j->ns = p->n;
        j->mt = j->nt = 1;
        tg__gemm_size_strip(j, p->m, p->n);
        return true;
    }
    /* rows of b that lie close together are read in place while few tiles share them; far apart, each one costs a page */
    const bool close = p->b_cs == 1 && p->b_rs * (int64_t)j->size <= 1024;
    if (p->m > (close ? 5 : 2) * j->mr && p->n >= j->nr) p->pack_b = true;
    if (p->m > 128 && p->n > 128 && work > 1 << 25) return tg__gemm_plan_shared(j, 0);
    if (j->kt > 1 && p->m * p->n * p->k > 4 * TG__GEMM_CHUNK) {
        if (p->m <= 32) {
            j->path = TG__GEMM_PARTIAL;
            j->direct = false;
            p->stream = !p->pack_b && !p->pack_a && p->m <= 2 * j->mr;
            if (!tg__gemm_memory(j, j->batches * j->kt * p->m * p->n)) return false;
        } else {
            j->path = TG__GEMM_BLOCKS;
            if (!j->direct && !tg__gemm_memory(j, j->batches * p->m * p->n)) return false;
        }
        tg__gemm_cut(j, TG__GEMM_KB);
    } else tg__gemm_cut(j, p->k);
    tg__gemm_size_strip(j, j->ms, j->ns);
    return true;
}

TG__PRIVATE bool tg__gemm_begin(tg__gemm_plan *j) {
    const bool reduction = tg__gemm_is_reduction(j->m, j->n, j->k);
    const int64_t m = j->m;
    j->mem = NULL;
    j->mem_bytes = 0;
    j->second = false;
    j->words = 0;
    j->scratch = j->work = 0;
    j->isa = j->tg->isa;
    j->batches = 1;
    for (int d = 0; d < j->batch_dims; d++) j->batches *= j->batch[d];
    if (j->ta != TG_F32 && j->ta != TG_F64 && j->ta != TG_BF16 && j->ta != TG_F16) {
        const bool bytes = j->tb == TG_I8 && (j->ta == TG_I8 || j->ta == TG_U8) && j->tc == TG_I32;
        const int words = bytes && j->m * j->n * j->k > 1 << 15
            ? tg__gemm_words_op__k[j->isa](1, j->tg->features) : 0;
        if (words) {
            j->wide = false;
            tg__gemm_normalise(j, false);
            j->direct = j->last.c_cs == 1;
            return tg__gemm_plan_shared(j, words);
        }
        j->path = TG__GEMM_WHOLE;
        j->ms = tg__imax(1, tg__imin(j->m, TG__GEMM_CHUNK / 32 / tg__imax(1, j->n * j->k)));
        j->ns = j->n;
        j->mt = tg__ceil_div(j->m, j->ms);
        j->nt = 1;
        return true;
    }
    j->wide = j->ta == TG_F64;
    if (j->batches > 1 && !reduction && tg__gemm_stacked(j)) { j->m *= j->batches; j->batches = 1; }
    tg__gemm_normalise(j, true);
    j->m = m;
    j->direct = j->last.c_cs == 1 && j->last.kc == TG__GEMM_OWN;
    if (j->ta == TG_BF16 && !reduction && j->m >= 16 && j->n >= 16 && j->m * j->n * j->k > 1 << 20 &&
        !j->tg->config.strict) {
        const int words = tg__gemm_words_op__k[j->isa](0, j->tg->features);
        j->direct = j->direct && !j->accumulate;
        if (words) return tg__gemm_plan_shared(j, words);
    }
    if (!(reduction ? tg__gemm_plan_reduction(j) : tg__gemm_plan_sums(j))) return false;
    if (j->scratch > TG__GEMM_STACK && !tg__scratch_need(j->tg, j->scratch)) {
        if (j->mem) tg__mem_put(j->tg, j->mem, j->mem_bytes);
        return false;
    }
    return true;
}

/* One phase of a product whose fields down to `accumulate` are there. */
TG__PRIVATE int64_t tg__gemm_phase(tg_ctx *tg, int phase, tg__gemm_plan *j) {
    int64_t chunks = 0;
    if (phase == 0) {
        j->tg = tg; j->mem = NULL;
        if (j->m == 0 || j->n == 0) return 0;
        for (int d = 0; d < j->batch_dims; d++)
            if (j->batch[d] == 0) return 0;
        if (!tg__gemm_begin(j)) return -1;
    }
    const int64_t strips = j->mt * j->nt;
    switch (j->path) {
    case TG__GEMM_STRIPS:
        if (phase == 0) chunks = strips > 1 ? strips * j->batches : tg__ceil_div(j->batches, j->per);
        break;
    case TG__GEMM_BLOCKS:
        j->kb = phase;
        if (phase < j->kt) chunks = strips * j->batches;
        break;
    case TG__GEMM_SHARED:
        j->now = phase / 2 / j->kt;
        j->kb = phase / 2 % j->kt;
        j->second = phase % 2 == 1;
        if (j->now < j->batches) chunks = phase % 2 ? strips : j->mt + j->nt;
        break;
    case TG__GEMM_WHOLE:
        if (phase == 0) chunks = strips * j->batches;
        break;
    default:
        if (phase == 0)
            chunks = strips * j->batches
                * (j->mem ? j->path == TG__GEMM_LANES ? j->classes * j->kt : j->kt : 1);
        else if (phase == 1 && j->mem) {
            j->second = true;
            chunks = j->batches * j->part.m * tg__ceil_div(j->part.n, TG__GEMM_SPAN);
        }
    }
    if (chunks == 0 && j->mem) { tg__mem_put(tg, j->mem, j->mem_bytes); j->mem = NULL; }
    return chunks;
}

TG__PRIVATE void tg__gemm_chunk_in(const tg__gemm_plan *j, int64_t i, char *scratch) {
    const int64_t strips = j->mt * j->nt;
    int64_t b, each;
    switch (j->path) {
    case TG__GEMM_STRIPS:
        if (strips > 1) { tg__gemm_strip(j, i / strips, i % strips, -1, scratch); break; }
        for (b = i * j->per; b < j->batches && b < (i + 1) * j->per; b++) tg__gemm_strip(j, b, 0, -1, scratch);
        break;
    case TG__GEMM_BLOCKS:
        tg__gemm_strip(j, i / strips, i % strips, j->kb, scratch);
        break;
    case TG__GEMM_PARTIAL:
        each = strips * j->kt;
        tg__gemm_strip(j, i / each, i % strips, i % each / strips, scratch);
        break;
    case TG__GEMM_DOTS:
        each = strips * j->kt;
        tg__gemm_dots(j, i / each, i % each, scratch);
        break;
    case TG__GEMM_LANES:
        each = strips * (j->mem ? j->classes * j->kt : 1);
        tg__gemm_lanes(j, i / each, i % each, scratch);
        break;
    default: break;
    }
}

TG__PRIVATE void tg__gemm_chunk(void *plan, int64_t i) {
    const tg__gemm_plan *j = (const tg__gemm_plan *)plan;
    if (j->path == TG__GEMM_WHOLE) { tg__gemm_ints(j, i); return; }
    if (j->path == TG__GEMM_SHARED) {
        if (j->second) tg__gemm_tile_chunk(j, i);
        else tg__gemm_pack_chunk(j, i);
        return;
    }
    if (j->second) { tg__gemm_combine(j, i); return; }
    if (j->scratch <= TG__GEMM_STACK) {
        union { double align; char bytes[TG__GEMM_STACK]; } stack;
        tg__gemm_chunk_in(j, i, stack.bytes);
        return;
    }
    int slot;
    char *scratch = (char *)tg__scratch_take(j->tg, &slot);
    tg__gemm_chunk_in(j, i, scratch);
    tg__scratch_give(j->tg, slot);
}
TG__PRIVATE int64_t tg__gemm_start(tg_ctx *tg, int phase, void *plan) {
    tg__gemm_plan *j = (tg__gemm_plan *)plan;
    if (phase == 0) {
        const tg_operand *c = &j->job.o[0], *a = &j->job.o[1], *b = &j->job.o[2], *bias = &j->job.o[3];
        const int d = c->ndim - 2;
        j->ta = (int)a->dtype; j->tb = (int)b->dtype; j->tc = (int)c->dtype;
        j->m = c->shape[d]; j->n = c->shape[d + 1]; j->k = a->shape[d + 1];
        j->c = j->job.at[0]; j->a = j->job.at[1]; j->b = j->job.at[2]; j->bias = j->job.at[3];
        j->c_rs = c->stride[d]; j->c_cs = c->stride[d + 1];
        j->a_rs = a->stride[d]; j->a_cs = a->stride[d + 1];
        j->b_rs = b->stride[d]; j->b_cs = b->stride[d + 1];
        j->bias_rs = j->bias_cs = 0;
        if (j->bias) { j->bias_rs = bias->stride[d]; j->bias_cs = bias->stride[d + 1]; }
        j->accumulate = j->job.r->kind == 1;
        j->batch_dims = d;
        for (int i = 0; i < d; i++) {
            j->batch[i] = c->shape[i];
            j->a_bs[i] = a->stride[i]; j->b_bs[i] = b->stride[i]; j->c_bs[i] = c->stride[i];
        }
    }
    return tg__gemm_phase(tg, phase, j);
}
TG__FAMILY(gemm, false);

/* ======================================================================================
   >>impl-conv    convolutions in two dimensions: conv2d and its two derivatives, which are each other's derivatives
   One job serves three directions. Results, and gradients by data, are correlations of padded planes (told in >>pass-conv)
   with packed weights; the gradient by data of a stride s is s * s correlations, one for each residue of the
   position, that leave the positions between out.
   Gradients by weight add up units (some rows of an image, or some images) into parts, which a last phase adds
   in order.
   Tests: tests/test_conv.c
   ====================================================================================== */

TG__KERNEL(int64_t, tg__conv_shape_f32, (int what));
TG__KERNEL(int64_t, tg__conv_shape_f64, (int what));
TG__KERNEL(void, tg__conv_panels_f32, (const tg__conv_weights *s));
TG__KERNEL(void, tg__conv_panels_f64, (const tg__conv_weights *s));
TG__KERNEL(void, tg__conv_fill_f32, (const tg__conv_fill *s));
TG__KERNEL(void, tg__conv_fill_f64, (const tg__conv_fill *s));
TG__KERNEL(void, tg__conv_tiles_f32, (const tg__conv_tiles *s));
TG__KERNEL(void, tg__conv_tiles_f64, (const tg__conv_tiles *s));
TG__KERNEL(void, tg__conv_last_f32, (const tg__conv_last *f));
TG__KERNEL(void, tg__conv_last_f64, (const tg__conv_last *f));
TG__KERNEL(void, tg__conv_turn_f32, (const tg__conv_turn *s));
TG__KERNEL(void, tg__conv_turn_f64, (const tg__conv_turn *s));
TG__KERNEL(void, tg__conv_gather_f32, (const tg__conv_gather *s));
TG__KERNEL(void, tg__conv_gather_f64, (const tg__conv_gather *s));
TG__KERNEL(void, tg__conv_dots_f32, (const tg__conv_dots *s));
TG__KERNEL(void, tg__conv_dots_f64, (const tg__conv_dots *s));
TG__KERNEL(void, tg__conv_sum_f32, (const tg__conv_sum *s));
TG__KERNEL(void, tg__conv_sum_f64, (const tg__conv_sum *s));
#define TG__CONV_CALL(job, name) ((job)->wide ? name##_f64__k : name##_f32__k)[(job)->isa]

enum {
    TG__CONV_CHUNK = 4 << 20,       /* multiply-adds of a chunk, about: 20 us with AVX-512 */
    TG__CONV_BLOCK = 512,           /* terms of one block of a sum */
    TG__CONV_PLANES = 64 << 10,     /* elements of planes and sums that a chunk may hold without thinking */
    TG__CONV_PARTS = 16,            /* parts of a weight gradient */
    TG__CONV_PART_SIZE = 1 << 21    /* elements of all parts together, unless one is larger */
};

/* size: of the data or kernel that is asked for */
typedef struct tg__conv_attr { int64_t stride[2], padding[2], dilation[2], groups, size[2]; } tg__conv_attr;

/* [N, C, H, W] with strides */
typedef struct tg__conv_map { void *data; int64_t n, c, h, w, sn, sc, sh, sw; } tg__conv_map;

/* One correlation. Position (j, i) of rows x cols reads plane rows j + dy and writes (out_y + j * out_sy,
   out_x + i * out_sx). */
typedef struct tg__conv_sub {
    int64_t taps, rows, cols;
    int64_t out_y, out_x, out_sy, out_sx;
    /* of plane row 0, column 0 of residue 0, and of the next row, column */
    int64_t src_y, src_x, src_sy, src_sx;
    int64_t planes, dy, dx;                      /* dy, dx: the largest distance of a tap */
    const int64_t *ry, *rx;                      /* [planes] */
    const int64_t *tap;                          /* [taps] offset in the weights */
    const int64_t *reach;                        /* [taps][3] plane, row, column */
    int64_t *at;                                 /* [block channels * taps] distances in the planes */
    int64_t *place;                              /* [vectors] of a unit */
    bool    run;
    /* the cut */
    int64_t block, blocks;                       /* channels of one block of sums */
    int64_t pitch, plane, channel, image;        /* elements of the planes */
    int64_t images, high;                        /* images and rows of a unit; one of them is 1 or all rows */
    int64_t bands, units;
    int64_t across;                              /* vectors of one row, or 0: vectors run on over rows */
    int64_t mb, splits;                          /* result channels of a chunk */
    int64_t panels;                              /* of one group */
    int64_t step;                                /* elements from panel to panel */
    int64_t first_panel, first_chunk;            /* of this sub among all */
    size_t  weights;                             /* byte offset of its panels */
} tg__conv_sub;

typedef struct tg__conv_plan {
    tg__job job;
    int     dir, type;
    /* the convolution's source and result; one of the two may be what is computed */
    tg__conv_map x, y;
    void   *w; int64_t o, c, kh, kw, so, sc, skh, skw;    /* weights [o, c, kh, kw], c of one group */
    const void *bias; int64_t bias_step;
    tg__conv_attr at;
    /* how it is cut */
    bool    is_product;                          /* a product of matrices does it all */
    tg__gemm_plan product;
    tg_ctx *tg;
    int     isa, kind;
    bool    wide;
    size_t  size, stored;                        /* bytes of an element: computed in, stored */
    int64_t mr, vn, wr, nr;
    int64_t m, k;                                /* channels of a group: that are computed, that are summed over */
    tg__conv_map src, dst;                       /* results and by data: what is read and written */
    tg__conv_sub *sub; int64_t subs;
    char   *mem; size_t bytes;
    char   *packed;
    int64_t phase, panels, each;                 /* panels packed by a chunk */
    size_t  scratch;
    /* by weight */
    int64_t parts, steps, part_step, split_rows, rows_padded, o_panels;
    int64_t cb, c_splits, ob, o_splits;          /* channels and panels of a chunk */
    bool    lanes;                               /* few result channels: lanes lie along positions */
    char   *sums;
} tg__conv_plan;

TG__PRIVATE int64_t tg__conv_floor(int64_t n, int64_t d) { return n >= 0 ? n / d : -((-n + d - 1) / d); }

/* The taps of one sub: `dir` and residue (r, s) say which. Counts them, and fills the tables where there are
   any. Returns how many integers the tables take. */
TG__PRIVATE int64_t tg__conv_taps(const tg__conv_plan *j, tg__conv_sub *s, int64_t r0, int64_t r1, int64_t *table) {
    const int64_t *st = j->at.stride, *di = j->at.dilation, *pa = j->at.padding;
    int64_t *tap, *reach, *ry, *rx, n = 0;
    const int64_t all = j->kh * j->kw;
    tap = table; reach = table ? table + all : NULL;
    ry = table ? table + 4 * all : NULL; rx = table ? table + 5 * all : NULL;
    s->planes = 0; s->dy = s->dx = 0;
    for (int64_t a = 0; a < j->kh; a++)
        for (int64_t b = 0; b < j->kw; b++) {
            const int64_t ya = a * di[0], xb = b * di[1],
                qy = ya / st[0], qx = xb / st[1], py = ya % st[0], px = xb % st[1];
            if (j->dir == TG_CONV_BY_DATA && (py != r0 || px != r1)) continue;
            if (s->dy < qy) s->dy = qy;
            if (s->dx < qx) s->dx = qx;
            if (table) {
                int64_t p = 0;
                tap[n] = a * j->skh + b * j->skw;
                reach[3 * n + 1] = qy; reach[3 * n + 2] = qx;
                if (j->dir != TG_CONV_BY_DATA) {
                    while (p < s->planes && (ry[p] != py || rx[p] != px)) p++;
                    if (p == s->planes) { ry[p] = py; rx[p] = px; s->planes++; }
                } else { ry[0] = rx[0] = 0; s->planes = 1; }
                reach[3 * n] = p;
            }
            n++;
        }
    s->taps = n;
    s->run = n == all && j->skw == 1 && j->skh == j->kw && (j->dir == TG_CONV_BY_DATA ? j->so : j->sc) == all;
    s->tap = tap; s->reach = reach; s->ry = ry; s->rx = rx;
    if (j->dir != TG_CONV_BY_DATA) {
        s->rows = j->y.h; s->cols = j->y.w;
        s->out_y = s->out_x = 0; s->out_sy = s->out_sx = 1;
        s->src_y = -pa[0]; s->src_x = -pa[1]; s->src_sy = st[0]; s->src_sx = st[1];
    } else {
        /* position u = s q + r of the padded data meets tap s e + r at row q - e of g */
        const int64_t qy = tg__ceil_div(pa[0] > r0 ? pa[0] - r0 : 0, st[0]),
            qx = tg__ceil_div(pa[1] > r1 ? pa[1] - r1 : 0, st[1]);
        s->rows = tg__conv_floor(pa[0] + j->x.h - 1 - r0, st[0]) + 1 - qy;
        s->cols = tg__conv_floor(pa[1] + j->x.w - 1 - r1, st[1]) + 1 - qx;
        s->out_y = qy * st[0] + r0 - pa[0]; s->out_x = qx * st[1] + r1 - pa[1];
        s->out_sy = s->rows > 1 ? st[0] : 1; s->out_sx = s->cols > 1 ? st[1] : 1;
        s->src_y = qy - s->dy; s->src_x = qx - s->dx; s->src_sy = s->src_sx = 1;
        for (int64_t t = 0; table && t < n; t++) {
            reach[3 * t + 1] = s->dy - reach[3 * t + 1];
            reach[3 * t + 2] = s->dx - reach[3 * t + 2];
        }
    }
    return 6 * all;
}

/* Images or rows of a unit, by sizes alone, and the planes that they make. n: images. */
TG__PRIVATE bool tg__conv_cut(tg__conv_plan *j, tg__conv_sub *s, int64_t n) {
    const int64_t m = j->m, k = j->k, terms = tg__imax(1, k) * tg__imax(1, s->taps), image = s->rows * s->cols;
    int64_t least, room, want = TG__CONV_CHUNK / terms / m, flat, rows;
    s->blocks = tg__imin(tg__ceil_div(terms, TG__CONV_BLOCK), tg__imax(1, k));
    s->block = tg__ceil_div(k, s->blocks);
    s->blocks = s->block ? tg__ceil_div(k, s->block) : 1;
    room = TG__CONV_PLANES / (tg__imax(1, s->block * s->planes) + m);
    /* positions that share one trip through the weights */
    least = terms * m > 1 << 16 ? 192 : 48;
    want = tg__imax(least, tg__imin(room, want));
    if (want >= image) {
        s->images = tg__imin(n, want / image);
        s->high = s->rows;
    } else {
        s->images = 1;
        s->high = tg__ceil_div(want, s->cols);
        if (s->high < 2 * s->dy) s->high = 2 * s->dy;                /* rows that neighbours fill too */
        if (s->high > s->rows) s->high = s->rows;
        s->high = tg__ceil_div(s->rows, tg__ceil_div(s->rows, s->high));
    }
    s->bands = tg__ceil_div(s->rows, s->high);
    s->units = tg__ceil_div(n, s->images) * s->bands;
    if (!tg__add_i64(s->cols, s->dx, &s->pitch) || !tg__add_i64(s->high, s->dy, &rows) ||
        !tg__mul_i64(rows, s->pitch, &s->plane) ||
        !tg__mul_i64(s->plane, tg__imax(1, s->planes), &s->channel)) return tg__fail_memory(j->tg, SIZE_MAX);
    flat = tg__ceil_div((s->high - 1) * s->pitch + s->cols, j->vn);
    s->across = tg__ceil_div(s->cols, j->vn);
    if (flat < s->across * s->high) s->across = 0;
    return true;
}
/* Vectors of one image with this many rows. */
TG__PRIVATE int64_t tg__conv_vectors(const tg__conv_plan *j, const tg__conv_sub *s, int64_t rows) {
    return s->across ? s->across * rows : tg__ceil_div((rows - 1) * s->pitch + s->cols, j->vn);
}
TG__PRIVATE bool tg__conv_image(tg__conv_plan *j, tg__conv_sub *s, int64_t channels) {
    int64_t all;
    if (!tg__mul_i64(s->channel, channels, &s->image) || !tg__mul_i64(s->image, s->images * 16, &all))
        return tg__fail_memory(j->tg, SIZE_MAX);
    return true;
}
TG__PRIVATE void tg__conv_distances(tg__conv_sub *s, int64_t channels) {
    for (int64_t c = 0; c < channels; c++)
        for (int64_t t = 0; t < s->taps; t++)
            s->at[c * s->taps + t] = c * s->channel + s->reach[3 * t] * s->plane +
                s->reach[3 * t + 1] * s->pitch + s->reach[3 * t + 2];
}

/* Result channels of a chunk: enough of them to pay for filling the planes. */
TG__PRIVATE void tg__conv_split(const tg__conv_plan *j, tg__conv_sub *s) {
    const int64_t positions = s->images * s->high * s->cols, terms = tg__imax(1, j->k * s->taps);
    int64_t mb = tg__imax(TG__CONV_CHUNK / terms / positions, 2 * TG__CONV_BLOCK / tg__imax(1, s->taps));
    mb = tg__ceil_div(mb, j->mr) * j->mr;
    s->mb = mb >= j->m ? j->m : tg__ceil_div(tg__ceil_div(j->m, tg__ceil_div(j->m, mb)), j->mr) * j->mr;
    s->splits = tg__ceil_div(j->m, s->mb);
}
/* The taps of sub i; residues in the order of the first positions that have them. */
TG__PRIVATE int64_t tg__conv_taps_of(const tg__conv_plan *j, tg__conv_sub *s, int64_t i, int64_t across,
    int64_t *table) {
    return tg__conv_taps(j, s, (i / across + j->at.padding[0]) % j->at.stride[0],
        (i % across + j->at.padding[1]) % j->at.stride[1], table);
}

TG__PRIVATE bool tg__conv_plan_maps(tg__conv_plan *j) {
    const bool by_data = j->dir == TG_CONV_BY_DATA;
    const int64_t sy = by_data ? j->at.stride[0] : 1, sx = by_data ? j->at.stride[1] : 1,
        all = j->kh * j->kw, groups = j->at.groups;
    int64_t integers = 0, chunks = 0,
        high_y = by_data ? tg__imin(sy, j->x.h) : 1, high_x = by_data ? tg__imin(sx, j->x.w) : 1;
    size_t head, weights = 0, need, scratch = 0;
    tg__conv_sub one;
    j->m = by_data ? j->c : j->o / groups;
    j->k = by_data ? j->o / groups : j->c;
    j->src = by_data ? j->y : j->x;
    j->dst = by_data ? j->x : j->y;
    j->subs = high_y * high_x;
    j->panels = 0;
    /* sizes first, then tables */
    for (int64_t i = 0; i < j->subs; i++) {
        integers += tg__conv_taps_of(j, &one, i, high_x, NULL);
        one.planes = 1;
        if (!tg__conv_cut(j, &one, j->src.n)) return false;
        integers += tg__imax(1, one.block) * one.taps +
            one.images * tg__imax(tg__ceil_div(one.cols, j->vn) * one.rows, 1) + 8;
    }
    head = TG__ROUND_UP(sizeof(tg__conv_sub) * (size_t)j->subs, 64) + TG__ROUND_UP((size_t)integers * 8, 64);
    need = head;
    for (int64_t i = 0; i < j->subs; i++) {
        tg__conv_taps_of(j, &one, i, high_x, NULL);
        need += (size_t)(groups * tg__ceil_div(j->m, j->mr) * (j->k * one.taps * j->mr + 16) + 16) * j->size + 64;
    }
    j->bytes = need;
    j->mem = (char *)tg__mem_get(j->tg, need);
    if (!j->mem) return false;
    j->sub = (tg__conv_sub *)(void *)j->mem;
    int64_t *table = (int64_t *)(void *)(j->mem + TG__ROUND_UP(sizeof(tg__conv_sub) * (size_t)j->subs, 64));
    j->packed = j->mem + head;
    for (int64_t i = 0; i < j->subs; i++) {
        tg__conv_sub *s = &j->sub[i];
        int64_t v = 0;
        table += tg__conv_taps_of(j, s, i, high_x, table);
        if (!tg__conv_cut(j, s, j->src.n) || !tg__conv_image(j, s, s->block)) goto fail;
        s->at = table; table += tg__imax(1, s->block) * s->taps;
        s->place = table;
        tg__conv_distances(s, s->block);
        const int64_t each = tg__conv_vectors(j, s, s->high);
        for (int64_t im = 0; im < s->images; im++)
            for (int64_t q = 0; q < each; q++)
                s->place[v++] = im * s->image
                    + (s->across ? q / s->across * s->pitch + q % s->across * j->vn : q * j->vn);
        table += v;
        tg__conv_split(j, s);
        s->panels = tg__ceil_div(j->m, j->mr);
        s->step = j->k * s->taps * j->mr + 16;
        s->weights = weights;
        s->first_panel = j->panels;
        s->first_chunk = chunks;
        weights += TG__ROUND_UP((size_t)(groups * s->panels * s->step + 16) * j->size, 64);
        j->panels += groups * s->panels;
        chunks += groups * s->units * s->splits;
        need = TG__ROUND_UP((size_t)(s->images * s->image + 2 * j->vn) * j->size, 64) +
            (size_t)(tg__ceil_div(s->mb, j->mr) * j->mr * v * j->vn) * j->size;
        if (scratch < need) scratch = need;
    }
    j->each = tg__imax(1, (1 << 15) / tg__imax(1, j->k * all * j->mr));
    j->scratch = scratch;
    if (!tg__scratch_need(j->tg, scratch)) goto fail;
    return true;
fail:
    tg__mem_put(j->tg, j->mem, j->bytes);
    return false;
}

TG__PRIVATE void tg__conv_pack_chunk(const tg__conv_plan *j, int64_t i) {
    for (int64_t p = i * j->each; p < j->panels && p < (i + 1) * j->each; p++) {
        const tg__conv_sub *s = j->sub;
        tg__conv_weights w;
        while (s + 1 < j->sub + j->subs && p >= s[1].first_panel) s++;
        const int64_t at = p - s->first_panel, g = at / s->panels, m0 = at % s->panels * j->mr;
        const bool by_data = j->dir == TG_CONV_BY_DATA;
        w.kind = j->kind;
        w.m = tg__imin(j->mr, j->m - m0);
        w.channels = j->k; w.taps = s->taps;
        w.sm = by_data ? j->sc : j->so; w.sc = by_data ? j->so : j->sc;
        w.w = (const char *)j->w + (m0 * w.sm + g * (j->o / j->at.groups) * j->so) * (int64_t)j->stored;
        w.tap = s->tap; w.run = s->run;
        w.out = j->packed + s->weights + (size_t)(at * s->step) * j->size;
        w.step = s->step;
        TG__CONV_CALL(j, tg__conv_panels)(&w);
    }
}

/* Planes of so many channels of the source from `channel` on: rows j0.. of image n. */
TG__PRIVATE void tg__conv_planes(const tg__conv_plan *j, const tg__conv_sub *s, const tg__conv_map *src,
    int64_t n, int64_t channel, int64_t channels, int64_t j0, int64_t rows, void *out) {
    tg__conv_fill f;
    f.src = (const char *)src->data + (n * src->sn + channel * src->sc) * (int64_t)j->stored;
    f.kind = j->kind;
    f.channels = channels; f.h = src->h; f.w = src->w; f.sc = src->sc; f.sh = src->sh; f.sw = src->sw;
    f.y0 = s->src_y + j0 * s->src_sy; f.x0 = s->src_x; f.y_step = s->src_sy; f.x_step = s->src_sx;
    f.planes = s->planes; f.ry = s->ry; f.rx = s->rx;
    f.rows = rows + s->dy; f.pitch = s->pitch; f.plane = s->plane; f.channel = s->channel;
    f.out = out;
    TG__CONV_CALL(j, tg__conv_fill)(&f);
}

TG__PRIVATE void tg__conv_tile_chunk(const tg__conv_plan *j, int64_t i, char *scratch) {
    const tg__conv_sub *s = j->sub;
    tg__conv_tiles t;
    tg__conv_last f;
    while (s + 1 < j->sub + j->subs && i >= s[1].first_chunk) s++;
    i -= s->first_chunk;
    const int64_t m0 = i % s->splits * s->mb, u = i / s->splits % s->units, g = i / s->splits / s->units;
    const int64_t n0 = u / s->bands * s->images, images = tg__imin(s->images, j->src.n - n0),
        j0 = u % s->bands * s->high, rows = tg__imin(s->high, s->rows - j0);
    const int64_t each = tg__conv_vectors(j, s, rows), size = (int64_t)j->size;
    t.m = tg__imin(s->mb, j->m - m0);
    t.vectors = images * each;
    t.at = s->at; t.place = s->place;
    t.x = scratch;
    t.d = scratch + TG__ROUND_UP((size_t)(s->images * s->image + 2 * j->vn) * j->size, 64);
    t.d_rs = t.vectors * j->vn;
    t.w_step = s->step;
    for (int64_t b = 0; b < s->blocks; b++) {
        const int64_t c0 = b * s->block, channels = tg__imin(s->block, j->k - c0);
        if (s->taps)
            for (int64_t im = 0; im < images; im++)
                tg__conv_planes(j, s, &j->src, n0 + im, g * j->k + c0, channels, j0, rows,
                    scratch + im * s->image * size);
        t.k = channels * s->taps;
        t.w = j->packed + s->weights + (size_t)((g * s->panels + m0 / j->mr) * s->step +
            c0 * s->taps * j->mr) * j->size;
        t.add = b > 0;
        TG__CONV_CALL(j, tg__conv_tiles)(&t);
    }
    f.m = t.m; f.rows = rows; f.cols = s->cols;
    f.s_rs = t.d_rs; f.s_row = s->across ? s->across * j->vn : s->pitch;
    f.kind = j->kind;
    f.bias = j->bias ? (const char *)j->bias + (g * j->m + m0) * j->bias_step * (int64_t)j->stored : NULL;
    f.bias_step = j->bias_step;
    f.ym = j->dst.sc; f.yh = j->dst.sh * s->out_sy; f.yw = j->dst.sw * s->out_sx;
    for (int64_t im = 0; im < images; im++) {
        f.s = (const char *)t.d + im * each * j->vn * size;
        f.y = (char *)j->dst.data + ((n0 + im) * j->dst.sn + (g * j->m + m0) * j->dst.sc +
            (s->out_y + j0 * s->out_sy) * j->dst.sh + s->out_x * j->dst.sw) * (int64_t)j->stored;
        TG__CONV_CALL(j, tg__conv_last)(&f);
    }
}

/* ---- by weight: sums[part][group][panel][split of channels][channel, tap][NR] ---- */
TG__PRIVATE bool tg__conv_plan_weight(tg__conv_plan *j) {
    tg__conv_sub *s, one;
    const int64_t groups = j->at.groups, og = j->o / groups;
    int64_t terms, px, work;
    size_t head;
    j->m = og; j->k = j->c; j->subs = 1;
    j->lanes = og <= 8 && j->y.w > og;
    j->nr = j->lanes ? og : og > j->vn ? 2 * j->vn : j->vn;
    j->o_panels = tg__ceil_div(og, j->nr);
    head = TG__ROUND_UP(sizeof(tg__conv_sub), 64) +
        TG__ROUND_UP((size_t)(tg__conv_taps(j, &one, 0, 0, NULL) + j->c * j->kh * j->kw) * 8, 64);
    terms = j->c * one.taps;
    /* units must not hang on the planes: they are the order of summation */
    one.planes = 1;
    if (!tg__conv_cut(j, &one, j->x.n)) return false;
    /* channels and panels of a chunk */
    px = one.images * one.high * one.cols;
    work = px * og * terms;
    j->cb = j->c; j->ob = j->o_panels;
    if (work > 2 * TG__CONV_CHUNK) {
        j->cb = tg__imax(64, 2 * TG__CONV_CHUNK / (px * one.taps * og));
        j->cb = tg__ceil_div(j->c, tg__ceil_div(j->c, j->cb));
        work = px * og * j->cb * one.taps;
        if (work > 2 * TG__CONV_CHUNK)
            j->ob = tg__ceil_div(j->o_panels,
                tg__imin(tg__ceil_div(work, 2 * TG__CONV_CHUNK), tg__ceil_div(og, 64)));
    }
    j->c_splits = tg__ceil_div(j->c, j->cb);
    j->o_splits = tg__ceil_div(j->o_panels, j->ob);
    j->split_rows = tg__ceil_div(j->cb * one.taps, j->wr) * j->wr;
    j->rows_padded = j->c_splits * j->split_rows;
    j->part_step = groups * j->o_panels * j->rows_padded * j->nr;
    /* parts: by the sizes, not by the panels', which depend on the instruction set */
    j->parts = tg__imin(TG__CONV_PARTS, tg__imin(one.units, TG__CONV_PART_SIZE / (groups * og * terms)));
    if (j->parts < 1) j->parts = 1;
    j->steps = tg__ceil_div(one.units, j->parts);
    j->parts = tg__ceil_div(one.units, j->steps);
    j->bytes = head + (size_t)(j->parts * j->part_step) * j->size;
    j->mem = (char *)tg__mem_get(j->tg, j->bytes);
    if (!j->mem) return false;
    j->sub = s = (tg__conv_sub *)(void *)j->mem;
    int64_t *table = (int64_t *)(void *)(j->mem + TG__ROUND_UP(sizeof(tg__conv_sub), 64)), planes;
    table += tg__conv_taps(j, s, 0, 0, table);
    j->sums = j->mem + head;
    s->at = table;
    planes = s->planes;
    s->planes = 1;
    if (!tg__conv_cut(j, s, j->x.n)) goto fail;
    s->planes = planes;
    if (!tg__mul_i64(s->plane, planes, &s->channel)) { tg__fail_memory(j->tg, SIZE_MAX); goto fail; }
    if (!tg__conv_image(j, s, j->cb)) goto fail;
    tg__conv_distances(s, j->cb);
    j->scratch = TG__ROUND_UP((size_t)(s->image + 2 * j->vn) * j->size, 64) +
        (size_t)(j->ob * (s->high * s->cols * j->nr) + 2 * j->vn) * j->size;
    if (!tg__scratch_need(j->tg, j->scratch)) goto fail;
    return true;
fail:
    tg__mem_put(j->tg, j->mem, j->bytes);
    return false;
}

TG__PRIVATE void tg__conv_gather_chunk(const tg__conv_plan *j, int64_t i, char *scratch) {
    const tg__conv_sub *s = j->sub;
    const int64_t cs = i % j->c_splits, os = i / j->c_splits % j->o_splits,
        g = i / j->c_splits / j->o_splits % j->at.groups, part = i / j->c_splits / j->o_splits / j->at.groups;
    const int64_t u = part * j->steps + j->phase, size = (int64_t)j->size;
    if (u >= s->units) return;
    const int64_t n0 = u / s->bands * s->images, images = tg__imin(s->images, j->x.n - n0),
        j0 = u % s->bands * s->high, rows = tg__imin(s->high, s->rows - j0);
    const int64_t c0 = cs * j->cb, channels = tg__imin(j->cb, j->c - c0), p0 = os * j->ob,
        panels = tg__imin(j->ob, j->o_panels - p0), o0 = p0 * j->nr;
    char *turned = scratch + TG__ROUND_UP((size_t)(s->image + 2 * j->vn) * j->size, 64);
    tg__conv_turn t;
    tg__conv_gather w;
    t.kind = j->kind;
    t.o = tg__imin(panels * j->nr, j->m - o0);
    t.rows = rows; t.cols = s->cols; t.so = j->y.sc; t.sh = j->y.sh; t.sw = j->y.sw;
    t.out = turned; t.step = s->high * s->cols * j->nr; t.width = j->nr;
    w.k = channels * s->taps; w.rows = rows; w.cols = s->cols; w.pitch = s->pitch;
    w.panels = panels; w.width = j->nr;
    w.at = s->at; w.x = scratch; w.g = turned; w.g_step = t.step;
    w.d = j->sums + (part * j->part_step + ((g * j->o_panels + p0) * j->rows_padded +
        cs * j->split_rows) * j->nr) * size;
    w.d_step = j->rows_padded * j->nr;
    for (int64_t im = 0; im < images; im++) {
        tg__conv_planes(j, s, &j->x, n0 + im, g * j->c + c0, channels, j0, rows, scratch);
        t.g = (const char *)j->y.data + ((n0 + im) * j->y.sn + (g * j->m + o0) * j->y.sc +
            j0 * j->y.sh) * (int64_t)j->stored;
        w.add = im > 0 || j->phase > 0;
        if (j->lanes) {
            static const int64_t none[1] = { 0 };
            tg__conv_fill f;
            tg__conv_dots l;
            f.src = t.g; f.kind = j->kind; f.channels = j->m; f.h = rows; f.w = s->cols;
            f.sc = t.so; f.sh = t.sh; f.sw = t.sw;
            f.y0 = f.x0 = 0; f.y_step = f.x_step = 1; f.planes = 1; f.ry = f.rx = none;
            f.rows = rows; f.pitch = s->cols; f.plane = f.channel = s->high * s->cols; f.out = turned;
            TG__CONV_CALL(j, tg__conv_fill)(&f);
            l.k = w.k; l.rows = rows; l.cols = s->cols; l.pitch = s->pitch; l.o = j->m;
            l.at = s->at; l.x = scratch; l.g = turned; l.g_step = f.channel;
            l.d = w.d; l.d_rs = j->nr; l.add = w.add;
            TG__CONV_CALL(j, tg__conv_dots)(&l);
            continue;
        }
        TG__CONV_CALL(j, tg__conv_turn)(&t);
        TG__CONV_CALL(j, tg__conv_gather)(&w);
    }
}

TG__PRIVATE void tg__conv_sum_chunk(const tg__conv_plan *j, int64_t i) {
    const int64_t g = i / j->o_panels, p = i % j->o_panels;
    tg__conv_sum s;
    s.parts = j->parts; s.part_step = j->part_step;
    s.o = tg__imin(j->nr, j->m - p * j->nr); s.channels = j->c; s.taps = j->sub->taps;
    s.split = j->cb; s.split_rows = j->split_rows;
    s.width = j->nr;
    s.s = j->sums + ((g * j->o_panels + p) * j->rows_padded * j->nr) * (int64_t)j->size;
    s.w = (char *)j->w + (g * j->m + p * j->nr) * j->so * (int64_t)j->stored;
    s.kind = j->kind; s.so = j->so; s.sc = j->sc; s.tap = j->sub->tap;
    TG__CONV_CALL(j, tg__conv_sum)(&s);
}

/* ---- the family ---- */
TG__PRIVATE void tg__conv_map_of(tg__conv_map *m, const tg_operand *o, void *data) {
    m->data = data;
    m->n = o->shape[0]; m->c = o->shape[1]; m->h = o->shape[2]; m->w = o->shape[3];
    m->sn = o->stride[0]; m->sc = o->stride[1]; m->sh = o->stride[2]; m->sw = o->stride[3];
}
/* Which operand x, weight and y are, by kind. */
static const signed char tg__conv_which[3][3] = { { 1, 2, 0 }, { 0, 1, 2 }, { 1, 0, 2 } };
/* x, weight and y as the convolution has them, whichever of them is computed. */
TG__PRIVATE void tg__conv_read(tg__conv_plan *j) {
    const tg_request *r = j->job.r;
    const signed char *at = tg__conv_which[r->kind];
    const tg_operand *w = &j->job.o[at[1]];
    j->dir = r->kind; j->type = (int)j->job.o[0].dtype;
    for (int d = 0; d < 2; d++) {
        j->at.stride[d] = r->whole[d]; j->at.padding[d] = r->whole[2 + d]; j->at.dilation[d] = r->whole[4 + d];
        j->at.size[d] = 0;
    }
    j->at.groups = r->whole[6];
    tg__conv_map_of(&j->x, &j->job.o[at[0]], j->job.at[at[0]]);
    tg__conv_map_of(&j->y, &j->job.o[at[2]], j->job.at[at[2]]);
    j->w = j->job.at[at[1]]; j->o = w->shape[0]; j->c = w->shape[1]; j->kh = w->shape[2]; j->kw = w->shape[3];
    j->so = w->stride[0]; j->sc = w->stride[1]; j->skh = w->stride[2]; j->skw = w->stride[3];
    j->bias = NULL; j->bias_step = 0;
    if (j->dir == TG_CONV_RESULT && j->job.at[3]) { j->bias = j->job.at[3]; j->bias_step = j->job.o[3].stride[0]; }
}
/* A 1 x 1 kernel without stride and padding is a product of matrices for each image: y = w x, dx = w^T g. Where the positions
   run on from row to row the gemm family does it, without planes. Only where both add in the same order, so that strides do not choose
   the bits: one block of a sum, no reduction, no dot-product instruction. */
TG__PRIVATE bool tg__conv_runs_on(const tg__conv_map *m) { return m->h == 1 || m->w == 1 || m->sh == m->w * m->sw; }
TG__PRIVATE bool tg__conv_is_product(const tg__conv_plan *j) {
    const tg__conv_attr *at = &j->at;
    const bool result = j->dir == TG_CONV_RESULT;
    const int64_t o = j->o / at->groups, m = result ? o : j->c, k = result ? j->c : o;
    if (j->dir == TG_CONV_BY_WEIGHT || j->kh != 1 || j->kw != 1) return false;
    if (at->stride[0] != 1 || at->stride[1] != 1 || at->padding[0] || at->padding[1]) return false;
    if (j->x.h != j->y.h || j->x.w != j->y.w) return false;               /* one position of several: its stride was settled */
    if (!tg__conv_runs_on(&j->x) || !tg__conv_runs_on(&j->y) || (j->bias && at->groups > 1)) return false;
    return k <= TG__CONV_BLOCK && j->type != TG_BF16 && !tg__gemm_is_reduction(m, j->x.h * j->x.w, k);
}
TG__PRIVATE void tg__conv_product(const tg__conv_plan *j, tg__gemm_plan *p) {
    const bool result = j->dir == TG_CONV_RESULT;
    const int64_t groups = j->at.groups, o = j->o / groups;
    const tg__conv_map *from = result ? &j->x : &j->y, *to = result ? &j->y : &j->x;
    tg__zero(p, sizeof *p);
    p->ta = p->tb = p->tc = j->type;
    p->m = result ? o : j->c; p->k = result ? j->c : o; p->n = to->h * to->w;
    p->a = j->w; p->a_rs = result ? j->so : j->sc; p->a_cs = result ? j->sc : j->so;
    p->b = from->data; p->b_rs = from->sc; p->b_cs = from->w == 1 ? from->sh : from->sw;
    p->c = to->data; p->c_rs = to->sc; p->c_cs = to->w == 1 ? to->sh : to->sw;
    p->batch_dims = 2;
    p->batch[0] = to->n; p->b_bs[0] = from->sn; p->c_bs[0] = to->sn;
    p->batch[1] = groups; p->a_bs[1] = o * j->so; p->b_bs[1] = p->k * from->sc; p->c_bs[1] = p->m * to->sc;
    p->bias = j->bias; p->bias_rs = j->bias_step;
}

TG__PRIVATE int64_t tg__conv_start(tg_ctx *tg, int phase, void *plan) {
    tg__conv_plan *j = (tg__conv_plan *)plan;
    int64_t chunks = 0;
    if (phase == 0) {
        tg__conv_read(j);
        j->is_product = tg__conv_is_product(j);
        if (j->is_product) tg__conv_product(j, &j->product);
    }
    if (j->is_product) return tg__gemm_phase(tg, phase, &j->product);
    const int64_t groups = j->at.groups;
    if (phase == 0) {
        j->tg = tg;
        j->mem = NULL;
        j->isa = tg->isa;
        j->wide = j->type == TG_F64;
        j->kind = tg__gemm_kind(j->type);
        j->size = j->wide ? 8 : 4;
        j->stored = tg_dtype_size((tg_dtype)j->type);
        j->mr = TG__CONV_CALL(j, tg__conv_shape)(0);
        j->vn = TG__CONV_CALL(j, tg__conv_shape)(1);
        j->wr = TG__CONV_CALL(j, tg__conv_shape)(2);
        if (!(j->dir == TG_CONV_BY_WEIGHT ? tg__conv_plan_weight(j) : tg__conv_plan_maps(j))) return -1;
    }
    j->phase = phase;
    if (j->dir == TG_CONV_BY_WEIGHT) {
        if (phase < j->steps) chunks = j->parts * groups * j->o_splits * j->c_splits;
        else if (phase == j->steps) chunks = groups * j->o_panels;
    } else if (phase == 0) {
        chunks = tg__ceil_div(j->panels, j->each);
    } else if (phase == 1) {
        const tg__conv_sub *s = &j->sub[j->subs - 1];
        chunks = s->first_chunk + groups * s->units * s->splits;
    }
    if (chunks == 0) { tg__mem_put(tg, j->mem, j->bytes); j->mem = NULL; }
    return chunks;
}
TG__PRIVATE void tg__conv_chunk(void *plan, int64_t i) {
    tg__conv_plan *j = (tg__conv_plan *)plan;
    char *scratch;
    int slot;
    if (j->is_product) { tg__gemm_chunk(&j->product, i); return; }
    if (j->dir == TG_CONV_BY_WEIGHT ? j->phase == j->steps : j->phase == 0) {
        if (j->dir == TG_CONV_BY_WEIGHT) tg__conv_sum_chunk(j, i);
        else tg__conv_pack_chunk(j, i);
        return;
    }
    scratch = (char *)tg__scratch_take(j->tg, &slot);
    if (j->dir == TG_CONV_BY_WEIGHT) tg__conv_gather_chunk(j, i, scratch);
    else tg__conv_tile_chunk(j, i, scratch);
    tg__scratch_give(j->tg, slot);
}
TG__FAMILY(conv, false);

/* [C, H, W] counts as one image */
TG__PRIVATE void tg__ask_images(tg__ask *a, tg_tensor *t, unsigned use) {
    tg_operand *o = tg__ask_for(a, t, use);
    if (o->ndim != 3) return;
    for (int d = 3; d > 0; d--) { o->shape[d] = o->shape[d - 1]; o->stride[d] = o->stride[d - 1]; }
    o->shape[0] = 1; o->stride[0] = 0;
    o->ndim = 4;
}
/* Of a kernel with one position the dilation says nothing, of a single output position the stride: it is no larger
   than the kernel's reach then. So whoever computes multiplies by no number that only arithmetic has heard of. */
TG__PRIVATE void tg__conv_settle(tg__ask *a) {
    const signed char *at = tg__conv_which[a->r.kind];
    const tg_operand *w = &a->o[at[1]], *y = &a->o[at[2]];
    int64_t *stride = a->r.whole, *dilation = a->r.whole + 4;
    for (int d = 0; d < 2; d++) {
        const int64_t kernel = w->shape[2 + d];
        if (kernel == 1) dilation[d] = 1;
        if (y->shape[2 + d] == 1) stride[d] = tg__imin(stride[d], (kernel - 1) * dilation[d] + 1);
    }
}
/* out = result or gradient of the two others, in the order of the request. */
TG__PRIVATE bool tg__conv_run(tg_ctx *tg, int dir, const tg__conv_attr *at, tg_tensor *out,
    tg_tensor *first, tg_tensor *second, tg_tensor *bias) {
    tg__ask a;
    if (out->numel == 0) return true;
    /* nothing to sum */
    if (dir != TG_CONV_RESULT && (first->numel == 0 || second->numel == 0)) return tg__fill(tg, out, 0, 0, true);
    tg__ask_begin(&a, TG_FAMILY_CONV, dir, out->dtype);
    for (int d = 0; d < 2; d++) {
        a.r.whole[d] = at->stride[d]; a.r.whole[2 + d] = at->padding[d]; a.r.whole[4 + d] = at->dilation[d];
    }
    a.r.whole[6] = at->groups;
    tg__ask_images(&a, out, TG_WRITE);
    tg__ask_images(&a, first, TG_READ);
    tg__ask_images(&a, second, TG_READ);
    if (dir == TG_CONV_RESULT) tg__ask_for(&a, bias, TG_READ);
    tg__conv_settle(&a);
    return tg__launch(&a, tg, &tg__family_conv, NULL);
}

/* ------------------------------------------------------------------------ conv2d ----
   y[n, o, i, j] = bias[o] + sum over c, a, b of x[n, c, i stride + a dilation - padding, ...] * weight[o, c, a, b],
   zero outside of x; within each group.
   dx = conv2d_input(g, weight), dweight = conv2d_weight(g, x), dbias = g summed over images and positions.
   The three are linear in each operand and each other's derivatives, so any order of differentiation stays
   within them. Channels-last x gives a channels-last result. */
static const tg_attr tg__conv2d_attrs[] = {
    TG__ATTR_EACH(tg__conv_attr, stride), TG__ATTR_EACH(tg__conv_attr, padding), TG__ATTR_EACH(tg__conv_attr, dilation),
    TG__ATTR(tg__conv_attr, groups, INT)
};
static const tg_attr tg__conv_attrs[] = {
    TG__ATTR_EACH(tg__conv_attr, stride), TG__ATTR_EACH(tg__conv_attr, padding), TG__ATTR_EACH(tg__conv_attr, dilation),
    TG__ATTR(tg__conv_attr, groups, INT), TG__ATTR_EACH(tg__conv_attr, size)
};
/* one of the three ops; size may be NULL */
TG__PRIVATE tg_tensor *tg__conv_call(int dir, const tg__conv_attr *at, const int64_t *size,
    tg_tensor *a, tg_tensor *b);

TG__PRIVATE bool tg__conv_dtypes(tg_ctx *tg, const tg__node *n) {
    for (int i = 0; i < n->n_in; i++) {
        if (!n->in[i]) continue;
        if (!tg_dtype_is_float(n->in[i]->dtype)) return tg__fail(tg, TG__E_FLOAT_ONLY, n->in[i]);
        if (n->in[i]->dtype != n->in[0]->dtype)
            return tg__fail(tg, TG__E_SAME_DTYPE, n->in[0], n->in[i], "; tg_to one of them");
    }
    return true;
}
TG__PRIVATE bool tg__conv_values(tg_ctx *tg, const tg__conv_attr *at) {
    for (int d = 0; d < 2; d++) {
        if (at->stride[d] <= 0) return tg__fail(tg, TG__E_CONV_VALUE, "stride", at->stride[d]);
        if (at->padding[d] < 0 || at->padding[d] > INT64_MAX / 8)
            return tg__fail(tg, TG__E_CONV_VALUE, "padding", at->padding[d]);
        if (at->dilation[d] <= 0) return tg__fail(tg, TG__E_CONV_VALUE, "dilation", at->dilation[d]);
    }
    return at->groups > 0 || tg__fail(tg, TG__E_CONV_VALUE, "groups", at->groups);
}
/* Size of the result in dimension d; false where the kernel does not fit. */
TG__PRIVATE bool tg__conv_size(const tg__conv_attr *at, int d, int64_t x, int64_t kernel, int64_t *out) {
    int64_t reach, padded;
    if (kernel < 1 || !tg__mul_i64(kernel - 1, at->dilation[d], &reach) ||
        !tg__add_i64(x, 2 * at->padding[d], &padded) || reach >= padded) return false;
    *out = (padded - reach - 1) / at->stride[d] + 1;
    return true;
}
/* Makes the output in the order of `like`: row-major, or channels last. shape is [N, C, H, W]; N is left out
   where like has none. */
TG__PRIVATE bool tg__conv_out(tg_ctx *tg, tg__node *n, const tg_tensor *like, const int64_t *shape) {
    static const int last4[4] = { 0, 2, 3, 1 }, last3[3] = { 1, 2, 0 };
    const int d = like->ndim - 3;
    const bool last = like->shape[d] > 1 && like->stride[d] == 1 &&
        !(like->shape[d + 1] == 1 && like->shape[d + 2] == 1) && !tg__is_dense(like);
    n->out[0] = tg__tensor_make(tg, like->device, like->dtype, like->ndim, shape + 1 - d,
        !last ? NULL : d ? last4 : last3);
    return n->out[0] != NULL;
}

TG__PRIVATE bool tg__conv2d_check(tg_ctx *tg, tg__node *n) {
    const tg__conv_attr *at = (const tg__conv_attr *)n->attr;
    const tg_tensor *x = n->in[0], *w = n->in[1], *b = n->in[2];
    int64_t shape[4], channels;
    if ((x->ndim != 3 && x->ndim != 4) || w->ndim != 4) return tg__fail(tg, TG__E_CONV_NDIM, x, w);
    const int d = x->ndim - 3;
    if (!tg__conv_dtypes(tg, n) || !tg__conv_values(tg, at)) return false;
    if (w->shape[0] % at->groups) return tg__fail(tg, TG__E_CONV_GROUPS, w->shape[0], at->groups);
    if (!tg__mul_i64(w->shape[1], at->groups, &channels) || x->shape[d] != channels)
        return tg__fail(tg, TG__E_CONV_CHANNELS, x, x->shape[d], w, at->groups, channels);
    if (b && (b->ndim != 1 || b->shape[0] != w->shape[0])) return tg__fail(tg, TG__E_CONV_BIAS, b, w->shape[0]);
    shape[0] = d ? x->shape[0] : 1; shape[1] = w->shape[0];
    for (int i = 0; i < 2; i++) {
        if (w->shape[2 + i] < 1) return tg__fail(tg, TG__E_CONV_VALUE, "kernel size", w->shape[2 + i]);
        if (!tg__conv_size(at, i, x->shape[d + 1 + i], w->shape[2 + i], &shape[2 + i]))
            return tg__fail(tg, TG__E_CONV_SMALL, w, x);
    }
    return tg__conv_out(tg, n, x, shape);
}
TG__PRIVATE bool tg__conv2d_forward(tg_ctx *tg, tg__node *n) {
    return tg__conv_run(tg, TG_CONV_RESULT, (const tg__conv_attr *)n->attr, n->out[0], n->in[0], n->in[1], n->in[2]);
}
TG__PRIVATE bool tg__conv2d_backward(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    const tg__conv_attr *at = (const tg__conv_attr *)n->attr;
    const int d = n->in_slot[0].ndim - 3;
    if (n->wants[0]) dx[0] = tg__conv_call(TG_CONV_BY_DATA, at, n->in_slot[0].shape + d + 1, g[0], n->in[1]);
    if (n->wants[1]) dx[1] = tg__conv_call(TG_CONV_BY_WEIGHT, at, n->in_slot[1].shape + 2, g[0], n->in[0]);
    if (n->wants[2]) {
        int64_t dims[3];
        dims[0] = 0; dims[1] = d + 1; dims[2] = d + 2;
        dx[2] = tg_sum_dims(g[0], d ? 3 : 2, d ? dims : dims + 1, false);
    }
    return !tg_failed(tg);
}
static const tg_op tg__conv2d_op = { TG__OP("conv2d", TG__IN_OPT(2, 1), TG__OUT(1), TG__NO_FLAGS), TG__SAVES2(TG_SAVE_IN(1), TG_SAVE_IN(0)), TG__ATTRS_OF(tg__conv2d, tg__conv),
    tg__conv2d_check, tg__conv2d_forward, tg__conv2d_backward, NULL };
TG__PRIVATE tg_conv2d_args tg__conv2d_defaults(tg_conv2d_args a) {
    for (int d = 0; d < 2; d++) {
        if (!a.dilation[d]) a.dilation[d] = 1;
        if (!a.stride[d]) a.stride[d] = 1;
    }
    if (!a.groups) a.groups = 1;
    return a;
}
TG_API tg_tensor *tg_conv2d_from(const tg_conv2d_args *args) {
    tg__conv_attr at;
    tg_conv2d_args a;
    tg_tensor *any;
    if (!args) return NULL;
    any = args->x ? args->x : args->weight ? args->weight : args->bias;
    tg__note(any, args->at);
    if (any && tg__gate(any->tg) && (!args->x || !args->weight)) {
        any->tg->where = tg__conv2d_op.name;
        tg__fail(any->tg, TG__E_NULL, args->x ? 1 : 0);
        return NULL;
    }
    a = tg__conv2d_defaults(*args);
    for (int d = 0; d < 2; d++) {
        at.stride[d] = a.stride[d]; at.padding[d] = a.padding[d]; at.dilation[d] = a.dilation[d];
        at.size[d] = 0;
    }
    at.groups = a.groups;
    return tg__apply(&tg__conv2d_op, &at, NULL, args->x, args->weight, args->bias);
}

/* ------------------------------------------------------------------ conv2d_input ----
   The gradient of conv2d by x, of size [.., C, size]: x[n, c, p] = sum of g[n, o, q] * weight[o, c, a] over
   all q, a that meet p.
   dg = conv2d(g', weight), dweight = conv2d_weight(g, g'). */
TG__PRIVATE bool tg__conv2d_input_check(tg_ctx *tg, tg__node *n) {
    const tg__conv_attr *at = (const tg__conv_attr *)n->attr;
    const tg_tensor *g = n->in[0], *w = n->in[1];
    int64_t shape[4], out;
    if ((g->ndim != 3 && g->ndim != 4) || w->ndim != 4) return tg__fail(tg, TG__E_CONV_NDIM, g, w);
    const int d = g->ndim - 3;
    if (!tg__conv_dtypes(tg, n) || !tg__conv_values(tg, at)) return false;
    if (w->shape[0] % at->groups) return tg__fail(tg, TG__E_CONV_GROUPS, w->shape[0], at->groups);
    if (g->shape[d] != w->shape[0])
        return tg__fail(tg, TG__E_CONV_CHANNELS, g, g->shape[d], w, at->groups, w->shape[0]);
    shape[0] = d ? g->shape[0] : 1;
    if (!tg__mul_i64(w->shape[1], at->groups, &shape[1])) return tg__fail(tg, TG__E_TOO_LARGE, w->ndim, w->shape);
    for (int i = 0; i < 2; i++) {
        shape[2 + i] = at->size[i];
        if (!tg__conv_size(at, i, at->size[i], w->shape[2 + i], &out) || out != g->shape[d + 1 + i])
            return tg__fail(tg, TG__E_CONV_SMALL, w, g);
    }
    return tg__conv_out(tg, n, g, shape);
}
TG__PRIVATE bool tg__conv2d_input_forward(tg_ctx *tg, tg__node *n) {
    return tg__conv_run(tg, TG_CONV_BY_DATA, (const tg__conv_attr *)n->attr, n->out[0], n->in[1], n->in[0], NULL);
}
TG__PRIVATE bool tg__conv2d_input_backward(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    const tg__conv_attr *at = (const tg__conv_attr *)n->attr;
    if (n->wants[0]) dx[0] = tg__conv_call(TG_CONV_RESULT, at, NULL, g[0], n->in[1]);
    if (n->wants[1]) dx[1] = tg__conv_call(TG_CONV_BY_WEIGHT, at, n->in_slot[1].shape + 2, n->in[0], g[0]);
    return !tg_failed(tg);
}
static const tg_op tg__conv2d_input_op = { TG__OP("conv2d_input", TG__IN(2), TG__OUT(1), TG__NO_FLAGS), TG__SAVES2(TG_SAVE_IN(1), TG_SAVE_IN(0)), TG__ATTRS(tg__conv),
    tg__conv2d_input_check, tg__conv2d_input_forward, tg__conv2d_input_backward, NULL };

/* ----------------------------------------------------------------- conv2d_weight ----
   The gradient of conv2d by weight, of kernel size `size`:
   w[o, c, a] = sum over n, q of g[n, o, q] * x[n, c, the place that q and a meet].
   dg = conv2d(x, g'), dx = conv2d_input(g, g'). */
TG__PRIVATE bool tg__conv2d_weight_check(tg_ctx *tg, tg__node *n) {
    const tg__conv_attr *at = (const tg__conv_attr *)n->attr;
    const tg_tensor *g = n->in[0], *x = n->in[1];
    int64_t shape[4], out;
    if ((g->ndim != 3 && g->ndim != 4) || g->ndim != x->ndim) return tg__fail(tg, TG__E_CONV_NDIM, x, g);
    const int d = g->ndim - 3;
    if (!tg__conv_dtypes(tg, n) || !tg__conv_values(tg, at)) return false;
    if (g->shape[d] % at->groups || x->shape[d] % at->groups)
        return tg__fail(tg, TG__E_CONV_GROUPS, g->shape[d], at->groups);
    shape[0] = g->shape[d]; shape[1] = x->shape[d] / at->groups;
    for (int i = 0; i < 2; i++) {
        shape[2 + i] = at->size[i];
        if (!tg__conv_size(at, i, x->shape[d + 1 + i], at->size[i], &out) || out != g->shape[d + 1 + i])
            return tg__fail(tg, TG__E_CONV_SMALL, g, x);
    }
    if (d && g->shape[0] != x->shape[0]) return tg__fail(tg, TG__E_CONV_NDIM, x, g);
    return tg__out_make(tg, n, 0, g->dtype, 4, shape);
}
TG__PRIVATE bool tg__conv2d_weight_forward(tg_ctx *tg, tg__node *n) {
    return tg__conv_run(tg, TG_CONV_BY_WEIGHT, (const tg__conv_attr *)n->attr, n->out[0], n->in[1], n->in[0], NULL);
}
TG__PRIVATE bool tg__conv2d_weight_backward(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    const tg__conv_attr *at = (const tg__conv_attr *)n->attr;
    const int d = n->in_slot[1].ndim - 3;
    if (n->wants[0]) dx[0] = tg__conv_call(TG_CONV_RESULT, at, NULL, n->in[1], g[0]);
    if (n->wants[1]) dx[1] = tg__conv_call(TG_CONV_BY_DATA, at, n->in_slot[1].shape + d + 1, n->in[0], g[0]);
    return !tg_failed(tg);
}
static const tg_op tg__conv2d_weight_op = { TG__OP("conv2d_weight", TG__IN(2), TG__OUT(1), TG__NO_FLAGS), TG__SAVES2(TG_SAVE_IN(1), TG_SAVE_IN(0)), TG__ATTRS(tg__conv),
    tg__conv2d_weight_check, tg__conv2d_weight_forward, tg__conv2d_weight_backward, NULL };

TG__PRIVATE tg_tensor *tg__conv_call(int dir, const tg__conv_attr *from, const int64_t *size,
    tg_tensor *a, tg_tensor *b) {
    tg__conv_attr at = *from;
    tg_tensor *in[3];
    at.size[0] = size ? size[0] : 0; at.size[1] = size ? size[1] : 0;
    in[0] = a; in[1] = b; in[2] = NULL;
    if (dir == TG_CONV_RESULT) return tg__call(&tg__conv2d_op, &at, in, 3, NULL, 1);
    return tg__call(dir == TG_CONV_BY_DATA ? &tg__conv2d_input_op : &tg__conv2d_weight_op, &at, in, 2, NULL, 1);
}

/* ======================================================================================
   >>impl-matrix    matmul and linear on the gemm family; cross-entropy; what is made of other ops
   ====================================================================================== */

TG__PRIVATE const char *tg__matmul_hint(const tg_tensor *a, const tg_tensor *b) {
    if (a->ndim >= 1 && b->ndim >= 2 && a->shape[a->ndim - 1] == b->shape[b->ndim - 1]) return "; transpose b?";
    if (a->ndim >= 2 && b->ndim >= 2 && a->shape[a->ndim - 2] == b->shape[b->ndim - 2]) return "; transpose a?";
    return "";
}
/* A product takes one dtype; a plain number or another dtype is not converted silently, as in torch. */
TG__PRIVATE bool tg__matmul_types(tg_ctx *tg, const tg_tensor *a, const tg_tensor *b) {
    if (a->dtype != b->dtype) return tg__fail(tg, TG__E_SAME_DTYPE, a, b, "; tg_to one of them");
    if (a->dtype == TG_BOOL) return tg__fail(tg, TG__E_NOT_FOR, (int)a->dtype);
    return true;
}

/* ------------------------------------------------------------------ matmul ----
   y[..., m, n] = sum over k of a[..., m, k] b[..., k, n], both with at least 2 dimensions here; batches broadcast.
   da = g b^T, db = a^T g, which the walk sums over broadcast batches. */
TG__PRIVATE bool tg__matmul_check(tg_ctx *tg, tg__node *n) {
    const tg_tensor *a = n->in[0], *b = n->in[1];
    int64_t shape[TG_MAX_DIMS];
    int nd = a->ndim > b->ndim ? a->ndim : b->ndim, d;
    if (!tg__matmul_types(tg, a, b)) return false;
    if (a->shape[a->ndim - 1] != b->shape[b->ndim - 2])
        return tg__fail(tg, TG__E_MATMUL_INNER, a, b, tg__matmul_hint(a, b));
    for (d = 0; d < nd - 2; d++) {
        int ad = d - (nd - a->ndim), bd = d - (nd - b->ndim);
        int64_t as = ad >= 0 ? a->shape[ad] : 1, bs = bd >= 0 ? b->shape[bd] : 1;
        if (as != bs && as != 1 && bs != 1) return tg__fail(tg, TG__E_MATMUL_BATCH, a, b);
        shape[d] = as == 1 ? bs : as;
    }
    shape[nd - 2] = a->shape[a->ndim - 2]; shape[nd - 1] = b->shape[b->ndim - 1];
    return tg__out_make(tg, n, 0, a->dtype, nd, shape);
}
/* An operand [.., r, c] of a product whose result has c's dimensions: batches broadcast. */
TG__PRIVATE void tg__ask_matrix(tg__ask *a, tg_tensor *t, const tg_tensor *c) {
    tg_operand *o = tg__ask_for(a, t, TG_READ);
    int d, lead = c->ndim - t->ndim;
    o->ndim = c->ndim;
    for (d = c->ndim - 1; d >= 0; d--) {                       /* from the last: each moves up by `lead` */
        const bool there = d >= lead, wide = d < c->ndim - 2 && (!there || t->shape[d - lead] == 1);
        o->shape[d] = d < c->ndim - 2 ? c->shape[d] : t->shape[d - lead];
        o->stride[d] = wide ? 0 : o->stride[d - lead];
    }
}
TG__PRIVATE bool tg__matmul_forward(tg_ctx *tg, tg__node *n) {
    tg__ask a;
    tg__ask_begin(&a, TG_FAMILY_GEMM, 0, n->out[0]->dtype);
    tg__ask_for(&a, n->out[0], TG_WRITE);
    tg__ask_matrix(&a, n->in[0], n->out[0]);
    tg__ask_matrix(&a, n->in[1], n->out[0]);
    tg__ask_for(&a, NULL, TG_ABSENT);
    return tg__launch(&a, tg, &tg__family_gemm, NULL);
}
TG__PRIVATE bool tg__matmul_backward(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    if (n->wants[0]) dx[0] = tg_matmul(g[0], tg_transpose(n->in[1], -2, -1));
    if (n->wants[1]) dx[1] = tg_matmul(tg_transpose(n->in[0], -2, -1), g[0]);
    return tg->error == TG_OK;
}
static const tg_op tg__matmul_op = { TG__OP("matmul", TG__IN(2), TG__OUT(1), TG__NO_FLAGS), TG__SAVES2(TG_SAVE_IN(1), TG_SAVE_IN(0)), TG__NO_ATTRS,
    tg__matmul_check, tg__matmul_forward, tg__matmul_backward, NULL };

TG_API tg_tensor *(tg_matmul)(tg_tensor *a, tg_tensor *b) {
    tg_ctx *tg = tg__start2(a, b, "matmul");
    tg_tensor *in[2], *y;
    bool outermost;
    if (!tg) return NULL;
    if (a->ndim == 0 || b->ndim == 0) { tg__fail(tg, TG__E_MATMUL_SCALAR, a, b); return NULL; }
    in[0] = a; in[1] = b;
    if (a->ndim >= 2 && b->ndim >= 2) return tg__call(&tg__matmul_op, NULL, in, 2, NULL, 1);
    if (a->shape[a->ndim - 1] != b->shape[b->ndim == 1 ? 0 : b->ndim - 2]) {
        tg__fail(tg, TG__E_MATMUL_INNER, a, b, tg__matmul_hint(a, b));
        return NULL;
    }
    if (!tg__matmul_types(tg, a, b)) return NULL;                      /* here they still have their own shapes */
    outermost = tg__compose(tg);
    /* a row, a column; their dimension goes away again */
    if (a->ndim == 1) in[0] = tg_unsqueeze(a, 0);
    if (b->ndim == 1) in[1] = tg_unsqueeze(b, 1);
    y = tg__call(&tg__matmul_op, NULL, in, 2, NULL, 1);
    if (y && b->ndim == 1) y = tg_squeeze(y, -1);
    if (y && a->ndim == 1) y = tg_squeeze(y, b->ndim == 1 ? -1 : -2);
    return tg__composed(tg, outermost, y);
}

/* ------------------------------------------------------------------ linear ----
   y = x W^T + b; dx = g W, dW = g^T x and db = g, both over all rows. */
TG__PRIVATE bool tg__linear_check(tg_ctx *tg, tg__node *n) {
    const tg_tensor *x = n->in[0], *w = n->in[1], *b = n->in[2];
    return tg__matmul_types(tg, x, w) && (!b || tg__matmul_types(tg, x, b)) && tg__shapes(tg, n, "[*, I] [O, I] ?[O] -> [*, O]");
}
/* the operand as a matrix */
TG__PRIVATE void tg__ask_flat(tg_operand *o, int64_t rows, int64_t columns, int64_t row, int64_t column) {
    o->ndim = 2;
    o->shape[0] = rows; o->shape[1] = columns;
    o->stride[0] = row; o->stride[1] = column;
    tg__operand_settle(o);
}
TG__PRIVATE bool tg__linear_forward(tg_ctx *tg, tg__node *n) {
    tg_tensor *x = n->in[0], *w = n->in[1], *b = n->in[2], *y = n->out[0];
    int64_t in = w->shape[1], out = w->shape[0], rows = 1, shape[2], stride[2];
    tg__ask a;
    bool made = false, ok;
    int d;
    for (d = 0; d < x->ndim - 1; d++) rows *= x->shape[d];
    shape[0] = rows; shape[1] = in;
    /* rows that no stride describes: a packed copy */
    if (!tg__view_strides(x, 2, shape, stride)) {
        x = tg__tensor_make(tg, x->device, x->dtype, x->ndim, x->shape, NULL);
        if (!x) return false;
        made = true;
        if (!tg__copy_to(tg, x, n->in[0])) { tg__tensor_drop(x); return false; }
        stride[0] = in; stride[1] = 1;
    }
    tg__ask_begin(&a, TG_FAMILY_GEMM, 0, y->dtype);
    tg__ask_flat(tg__ask_for(&a, y, TG_WRITE), rows, out, out, 1);
    tg__ask_flat(tg__ask_for(&a, x, TG_READ), rows, in, stride[0], stride[1]);
    tg__ask_flat(tg__ask_for(&a, w, TG_READ), in, out, w->stride[1], w->stride[0]);
    tg__ask_flat(tg__ask_for(&a, b, TG_READ), rows, out, 0, b ? b->stride[0] : 0);
    ok = tg__launch(&a, tg, &tg__family_gemm, NULL);
    if (made) tg__tensor_drop(x);
    return ok;
}
TG__PRIVATE bool tg__linear_backward(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    int64_t flat[2], zero = 0;
    if (n->wants[0]) dx[0] = tg_matmul(g[0], n->in[1]);
    if (n->wants[1] || n->wants[2]) {
        tg_tensor *rows;
        int d;
        flat[0] = 1; flat[1] = n->out_slot[0].shape[n->out_slot[0].ndim - 1];
        for (d = 0; d < n->out_slot[0].ndim - 1; d++) flat[0] *= n->out_slot[0].shape[d];
        rows = tg_reshape(g[0], 2, flat);
        if (n->wants[2]) dx[2] = tg_sum_dims(rows, 1, &zero, false);
        if (n->wants[1]) {
            flat[1] = n->in_slot[1].shape[1];
            dx[1] = tg_matmul(tg_t(rows), tg_reshape(n->in[0], 2, flat));
        }
    }
    return tg->error == TG_OK;
}
static const tg_op tg__linear_op = { TG__OP("linear", TG__IN_OPT(2, 1), TG__OUT(1), TG__NO_FLAGS), TG__SAVES2(TG_SAVE_IN(1), TG_SAVE_IN(0)), TG__NO_ATTRS,
    tg__linear_check, tg__linear_forward, tg__linear_backward, NULL };
TG_API tg_tensor *(tg_linear)(tg_tensor *x, tg_tensor *weight, tg_tensor *bias) {
    bool outermost, row = x && weight && x->ndim == 1 && weight->ndim == 2;
    tg_ctx *tg;
    if (!row && !(x && weight && weight->ndim == 1 && !bias))
        return tg__apply(&tg__linear_op, NULL, NULL, x, weight, bias);
    tg = tg__start2(x, weight, "linear");
    if (!tg) return NULL;
    if (!tg__matmul_types(tg, x, weight) || (bias && !tg__matmul_types(tg, x, bias))) return NULL;
    if (row && x->shape[0] != weight->shape[1]) { tg__fail(tg, TG__E_LINEAR_SHAPE, x, weight); return NULL; }
    outermost = tg__compose(tg);
    if (row) {
        x = tg__apply(&tg__linear_op, NULL, NULL, tg_unsqueeze(x, 0), weight, bias);
        x = x ? tg_squeeze(x, 0) : NULL;
    } else x = tg_matmul(x, weight);
    return tg__composed(tg, outermost, x);
}

/* -------------------------------------------------------------- cross_entropy ----
   losses[i] = log(sum(exp(x[i]))) - x[i][class i], 0 where the class is -100;
   dx[i] = (softmax(x[i]) - 1 at the class) g[i].
   A second output keeps two numbers of each row, its largest logit and the sum of exp(x - largest), so that the
   derivative reads the logits once and no tensor of probabilities is ever made. tg_cross_entropy is the mean of
   the losses whose class is not -100. Saves: the logits, the classes, the two numbers. */
typedef struct tg__entropy_plan {
    tg__job job;
    const char *x, *target, *g;            /* g NULL: the losses; else the derivative */
    char *y, *rows;                        /* [N] losses or [N, C] derivative; [N, 2] */
    tg_dtype d, compute, td;
    int64_t n, classes, xs[2], ts, gs, per;
    tg__look look;                         /* at the classes */
} tg__entropy_plan;

TG__PRIVATE void tg__entropy_look(tg__entropy_plan *j, int64_t chunk) {
    int64_t r, end, c;
    if (j->look.state == TG__EXPLAINS) chunk = (int64_t)j->look.bad - 1;
    end = tg__imin((chunk + 1) * j->per, j->n);
    for (r = chunk * j->per; r < end; r++) {
        c = tg__get_i64(j->target + r * j->ts * (int64_t)tg_dtype_size(j->td), j->td);
        if (c == -100 || (c >= 0 && c < j->classes)) continue;
        if (j->look.state == TG__EXPLAINS) { j->look.value = c; j->look.place = r; } else tg__look_bad(&j->look, chunk);
        return;
    }
}
TG__PRIVATE void tg__entropy_chunk(void *plan, int64_t index) {
    tg__entropy_plan *j = (tg__entropy_plan *)plan;
    const int isa = j->job.tg->isa;
    const int64_t size = (int64_t)tg_dtype_size(j->d), wide = (int64_t)tg_dtype_size(j->compute),
        end = tg__imin((index + 1) * j->per, j->n);
    const bool same = j->d == j->compute, direct = same && j->xs[1] == 1;
    int slot = -1;
    if (j->look.state) { tg__entropy_look(j, index); return; }
    void *tile = direct ? NULL : tg__scratch_take(j->job.tg, &slot);
    int64_t r;
    for (r = index * j->per; r < end; r++) {
        const int64_t c = tg__get_i64(j->target + r * j->ts * (int64_t)tg_dtype_size(j->td), j->td);
        const void *x = j->x + r * j->xs[0] * size;
        char *y = j->y + r * (j->g ? j->classes : 1) * size;
        void *row = j->rows + 2 * r * wide;
        if (c == -100) {
            memset(y, 0, (size_t)(size * (j->g ? j->classes : 1)));
            memset(row, 0, (size_t)(2 * wide));
            continue;
        }
        if (!direct) { tg__load(isa, j->compute, j->classes, tile, x, j->xs[1], j->d); x = tile; }
        if (!j->g) {
            const double loss = j->compute == TG_F64
                ? tg__entropy_row_f64__k[isa](j->classes, (const double *)x, c, (double *)row)
                : (double)tg__entropy_row_f32__k[isa](j->classes, (const float *)x, c, (float *)row);
            tg__put_scalar(y, j->d, loss, 0, false);
        } else {
            const double g = tg__get_f64(j->g + r * j->gs * size, j->d);
            void *to = same ? (void *)y : tile;
            if (j->compute == TG_F64)
                tg__entropy_back_row_f64__k[isa](j->classes, (double *)to, (const double *)x, c,
                    (const double *)row, g);
            else
                tg__entropy_back_row_f32__k[isa](j->classes, (float *)to, (const float *)x, c,
                    (const float *)row, (float)g);
            if (!same) tg__store(isa, j->compute, j->classes, y, 1, j->d, tile);
        }
    }
    if (tile) tg__scratch_give(j->job.tg, slot);
}
/* The classes are looked at in the derivative too: a host may have written to memory that it lent, which no version
   tells. */
TG__PRIVATE int64_t tg__entropy_start(tg_ctx *tg, int phase, void *plan) {
    tg__entropy_plan *j = (tg__entropy_plan *)plan;
    const tg_operand *o = j->job.o;
    int next;
    if (phase == 0) {
        const bool derive = j->job.r->kind == 1;
        j->y = j->job.at[0]; j->rows = j->job.at[1]; j->x = j->job.at[2]; j->target = j->job.at[3];
        j->g = derive ? j->job.at[4] : NULL;
        j->d = o[2].dtype; j->compute = j->job.r->compute; j->td = o[3].dtype;
        j->n = o[2].shape[0]; j->classes = o[2].shape[1];
        j->xs[0] = o[2].stride[0]; j->xs[1] = j->classes == 1 ? 1 : o[2].stride[1];
        j->ts = o[3].stride[0]; j->gs = derive ? o[4].stride[0] : 0;
        j->per = tg__imax(1, 16384 / tg__imax(1, j->classes));
        j->look.state = TG__LOOKS; j->look.bad = 0;
        if (j->n == 0) return 0;
        if (!(j->d == j->compute && j->xs[1] == 1) && !tg__scratch_need(tg, (size_t)j->classes * 8)) return -1;
    } else if (!j->look.state) return 0;
    else if ((next = tg__look_next(&j->look)) != 0) {
        if (next < 0) (void)tg__fail(tg, TG__E_CLASS_RANGE, j->look.value, j->look.place, j->job.t[2], j->classes);
        return next;
    }
    return tg__ceil_div(j->n, j->per);
}
TG__FAMILY(entropy, false);

TG__PRIVATE bool tg__entropy_run(tg_ctx *tg, tg_tensor *x, tg_tensor *target, tg_tensor *rows, tg_tensor *g, tg_tensor *y) {
    tg__ask a;
    tg__ask_begin(&a, TG_FAMILY_ENTROPY, g != NULL, tg__compute_type(x->dtype));
    tg__ask_for(&a, y, TG_WRITE);
    tg__ask_for(&a, rows, g ? TG_READ : TG_WRITE);
    tg__ask_for(&a, x, TG_READ);
    tg__ask_for(&a, target, TG_READ);
    if (g) tg__ask_for(&a, g, TG_READ);
    return tg__launch(&a, tg, &tg__family_entropy, NULL);
}
TG__PRIVATE bool tg__entropy_check(tg_ctx *tg, tg__node *n) {
    const tg_tensor *x = n->in[0], *target = n->in[1];
    int64_t shape[2];
    if (!tg__shapes(tg, n, "[N, C] [N] -> [N]") || !tg__is_index(tg, target)) return false;
    if (!tg_dtype_is_float(x->dtype)) return tg__fail(tg, TG__E_FLOAT_ONLY, x);
    shape[0] = x->shape[0]; shape[1] = 2;
    return tg__out_make(tg, n, 1, tg__compute_type(x->dtype), 2, shape);
}
TG__PRIVATE bool tg__entropy_forward(tg_ctx *tg, tg__node *n) {
    return tg__entropy_run(tg, n->in[0], n->in[1], n->out[1], NULL, n->out[0]);
}
TG__PRIVATE bool tg__entropy_backward(tg_ctx *tg, tg__node *n, tg_tensor **g, tg_tensor **dx) {
    tg_tensor *x = n->in[0], *target = n->in[1], *counts, *hot;
    if (!n->wants[0]) return true;
    if (x->numel == 0) { dx[0] = tg__zeros_beside(tg, x, 2, x->shape); return dx[0] != NULL; }
    if (!tg->grad_mode) {
        dx[0] = tg__hold(tg, tg__tensor_make(tg, x->device, x->dtype, 2, x->shape, NULL));
        return dx[0] && tg__entropy_run(tg, x, target, n->out[1], g[0], dx[0]);
    }
    counts = tg_ne(target, tg_integer(tg, -100));
    hot = tg_to(tg_one_hot(tg_where(counts, target, tg_integer(tg, 0)), x->shape[1]), x->dtype);
    dx[0] = tg_mul(tg_sub(tg_softmax(x, 1), hot), tg_unsqueeze(g[0], 1));
    dx[0] = tg_where(tg_unsqueeze(counts, 1), dx[0], tg_number(tg, 0));
    return dx[0] != NULL;
}
static const tg_op tg__entropy_op = { TG__OP("cross_entropy", TG__IN(2), TG__OUT(2), TG__NO_FLAGS), TG__SAVES(TG_SAVE_IN(0) | TG_SAVE_IN(1) | TG_SAVE_OUT(1)), TG__NO_ATTRS,
    tg__entropy_check, tg__entropy_forward, tg__entropy_backward, NULL };
TG_API tg_tensor *(tg_cross_entropy)(tg_tensor *logits, tg_tensor *target) {
    tg_tensor *in[2], *outs[2], *total, *count;
    bool outermost;
    in[0] = logits; in[1] = target;
    if (!tg__call(&tg__entropy_op, NULL, in, 2, outs, 2)) return NULL;
    outermost = tg__compose(logits->tg);
    count = tg_sum(tg_ne(target, tg_integer(logits->tg, -100)));
    total = tg_sum(tg_to(outs[0], tg__compute_type(logits->dtype)));        /* a half has no room for the sum */
    total = tg_to(tg_div(total, tg_to(count, total ? total->dtype : TG_F32)), logits->dtype);
    return tg__composed(logits->tg, outermost, total);
}

/* ------------------------------------------------------------------ made of ops: mse_loss, dropout ---- */
/* As torch warns: [4, 1] against [4] is a [4, 4] of differences, and the loss learns nothing. Once per context. */
TG__PRIVATE void tg__warn_broadcast(tg_ctx *tg, const tg_tensor *x, const tg_tensor *target, const tg_tensor *both) {
    char out[512];
    tg__text t = tg__text_over(out, sizeof out);
    if (tg->broadcast_told) return;
    tg->broadcast_told = true;
    tg__put(&t, tg->where); tg__put(&t, ": input "); tg__put_tensor(&t, x);
    tg__put(&t, " and target "); tg__put_tensor(&t, target);
    tg__put(&t, " differ in shape and are broadcast to "); tg__put_shape(&t, both->ndim, both->shape);
    tg__put(&t, "; is that meant? Told once");
    tg__put_place(&t, tg->here.file, tg->here.line);
    tg__log(tg, TG_LOG_WARNING, out);
}
TG_API tg_tensor *(tg_mse_loss)(tg_tensor *x, tg_tensor *target) {
    tg_ctx *tg = tg__start2(x, target, "mse_loss");
    bool outermost;
    tg_tensor *d;
    if (!tg) return NULL;
    outermost = tg__compose(tg);
    d = tg_sub(x, target);
    if (d && !tg__same_shape(x, target)) tg__warn_broadcast(tg, x, target, d);
    return tg__composed(tg, outermost, tg_mean(tg_square(d)));
}

TG_API tg_tensor *(tg_dropout)(tg_tensor *x, double p, bool training) {
    tg_ctx *tg = tg__start(x, "dropout");
    tg_tensor *mask;
    bool outermost;
    if (!tg) return NULL;
    if (!(p >= 0 && p <= 1)) { tg__fail(tg, TG__E_PROBABILITY, p); return NULL; }
    if (!tg_dtype_is_float(x->dtype)) { tg__fail(tg, TG__E_FLOAT_ONLY, x); return NULL; }
    if (!training || p == 0) return x;
    outermost = tg__compose(tg);
    mask = tg__set_call(&tg__keep_op, tg_empty_like(x), p, p < 1 ? 1 / (1 - p) : 0);
    return tg__composed(tg, outermost, tg_mul(x, mask));
}

/* ======================================================================================
   >>impl-io    whole files; dicts of named tensors; safetensors; npy
   Every reader is a function of (bytes, size) and takes each of them for hostile: a number from the file is
   compared with the bytes that are there before it is used, products are checked, nothing recurses, and what
   is allocated is a small multiple of the file's size. A dict is built aside and freed as a whole when
   anything fails.
   Tests: tests/test_io.c, tests/formats.c, tests/hostile.c, tests/fuzz_safetensors.c, tests/fuzz_npy.c
   ====================================================================================== */
#ifdef TG__LEVELS                                      /* texts and files: to >>impl-debug's end */
#pragma GCC push_options
#pragma GCC optimize("Og", "no-fast-math", "fp-contract=off")
#endif

/* ---- whole files, through the host's hooks or the platform's ---- */
#ifndef TENSORGRAD_NO_STDIO
TG__PRIVATE const char *tg__file_reason(int code) {
    switch (code) {
        case TG__FILE_NOT_FOUND: return "no such file or folder";
        case TG__FILE_DENIED: return "access denied";
        case TG__FILE_NOT_REGULAR: return "not a regular file";
        case TG__FILE_TOO_LARGE: return "the file is larger than the memory limit";
        case TG__FILE_FULL: return "no space left";
        case TG__FILE_BAD_NAME: return "the name is not possible";
        default: return "reading or writing failed";
    }
}
TG__PRIVATE void *tg__file_alloc(void *user, size_t size, size_t align) {
    (void)align;
    return tg__mem_get((tg_ctx *)user, size);
}
TG__PRIVATE void tg__file_release(void *user, void *p, size_t size, size_t align) {
    (void)align;
    tg__mem_put((tg_ctx *)user, p, size);
}
#endif

/* The whole file in one block; give it back with tg__mem_put(tg, data, size). */
TG__PRIVATE bool tg__load_file(tg_ctx *tg, const char *path, void **data, size_t *size) {
    tg_hooks *h = &tg->config.hooks;
    *data = NULL; *size = 0;
    if (!path) return tg__fail(tg, TG__E_NO_DATA, "path");
    if (h->file_read) {
        void *got = NULL;
        size_t n = 0;
        const char *outer = tg__hook_enter(tg, tg__in_files);
        bool ok = h->file_read(h->file_user, tg, path, &got, &n);
        tg__hook_leave(tg, outer);
        if (!ok)
            return tg__fail(tg, TG__E_FILE, path, "the host's file hook could not read it");
        if (n) {
            *data = tg__mem_get(tg, n);
            if (*data) memcpy(*data, got, n);
        }
        if (got) tg__hook_release(tg, got, n);
        *size = n;
        return n == 0 || *data;
    }
#ifndef TENSORGRAD_NO_STDIO
    {
        tg__mem m;
        uint64_t limit = tg->config.memory_limit ? tg->config.memory_limit : UINT64_MAX / 4;
        int code;
        m.user = tg; m.alloc = tg__file_alloc; m.release = tg__file_release;
        code = tg__file_read(&m, path, limit, data, size);
        if (code == TG__FILE_OK) return true;
        return code == TG__FILE_NO_MEMORY ? tg__fail_memory(tg, *size)
            : tg__fail(tg, TG__E_FILE, path, tg__file_reason(code));
    }
#else
    return tg__fail(tg, TG__E_NO_HOOK, path);
#endif
}
TG__PRIVATE bool tg__save_file(tg_ctx *tg, const char *path, const void *const *parts, const size_t *sizes, int n) {
    tg_hooks *h = &tg->config.hooks;
    if (!path) return tg__fail(tg, TG__E_NO_DATA, "path");
    if (h->file_write) {
        const char *outer = tg__hook_enter(tg, tg__in_files);
        bool ok = h->file_write(h->file_user, path, parts, sizes, n);
        tg__hook_leave(tg, outer);
        return ok || tg__fail(tg, TG__E_FILE, path, "the host's file hook could not write it");
    }
#ifndef TENSORGRAD_NO_STDIO
    {
        tg__mem m;
        tg__file f;
        int code, i;
        m.user = tg; m.alloc = tg__file_alloc; m.release = tg__file_release;
        code = tg__file_create(&f, &m, path);
        if (code == TG__FILE_OK) {
            for (i = 0; i < n && code == TG__FILE_OK; i++) code = tg__file_write(&f, parts[i], sizes[i]);
            if (code == TG__FILE_OK) code = tg__file_commit(&f); else tg__file_discard(&f);
        }
        if (code == TG__FILE_OK) return true;
        return code == TG__FILE_NO_MEMORY ? tg__fail_memory(tg, 0)
            : tg__fail(tg, TG__E_FILE, path, tg__file_reason(code));
    }
#else
    (void)parts; (void)sizes; (void)n;
    return tg__fail(tg, TG__E_NO_HOOK, path);
#endif
}

/* ---- element types of files ---- */
/* how the file's bytes become a tensor's */
enum { TG__IO_SAME, TG__IO_BOOL, TG__IO_U16, TG__IO_U32, TG__IO_U64, TG__IO_RAW };

/* One row per element type, for all formats. `bits` of one element, `word` bytes of one number (a complex
   element is two numbers), `dtype` of the tensor that it becomes. "" where a format has no such type. */
typedef struct tg__io_type { char st[12], npy[4]; uint8_t bits, word, how, dtype; } tg__io_type;
static const tg__io_type tg__io_types[] = {
    { "F32",         "f4",  32,  4, TG__IO_SAME, TG_F32  }, { "F64",     "f8", 64, 8, TG__IO_SAME, TG_F64  },
    { "F16",         "f2",  16,  2, TG__IO_SAME, TG_F16  }, { "BF16",    "",   16, 2, TG__IO_SAME, TG_BF16 },
    { "I64",         "i8",  64,  8, TG__IO_SAME, TG_I64  }, { "I32",     "i4", 32, 4, TG__IO_SAME, TG_I32  },
    { "I16",         "i2",  16,  2, TG__IO_SAME, TG_I16  }, { "I8",      "i1",  8, 1, TG__IO_SAME, TG_I8   },
    { "U8",          "u1",   8,  1, TG__IO_SAME, TG_U8   }, { "BOOL",    "b1",  8, 1, TG__IO_BOOL, TG_BOOL },
    { "U16",         "u2",  16,  2, TG__IO_U16,  TG_I32  }, { "U32",     "u4", 32, 4, TG__IO_U32,  TG_I64  },
    { "U64",         "u8",  64,  8, TG__IO_U64,  TG_I64  }, { "C64",     "c8", 64, 4, TG__IO_SAME, TG_F32  },
    { "",            "c16", 128, 8, TG__IO_SAME, TG_F64  }, { "F8_E8M0", "",    8, 1, TG__IO_RAW,  TG_U8   },
    { "F8_E4M3",     "",     8,  1, TG__IO_RAW,  TG_U8   }, { "F8_E5M2", "",    8, 1, TG__IO_RAW,  TG_U8   },
    { "F8_E4M3FNUZ", "",     8,  1, TG__IO_RAW,  TG_U8   }, { "F8_E5M2FNUZ", "", 8, 1, TG__IO_RAW, TG_U8   },
    { "F4",          "",     4,  1, TG__IO_RAW,  TG_U8   }, { "F6_E2M3", "",    6, 1, TG__IO_RAW,  TG_U8   },
    { "F6_E3M2",     "",     6,  1, TG__IO_RAW,  TG_U8   }
};
enum { TG__IO_TYPES = sizeof tg__io_types / sizeof tg__io_types[0] };

TG__PRIVATE bool tg__io_is_pair(const tg__io_type *y) { return y->bits == 16 * y->word; }
/* the first rows are the dtypes themselves */
TG__PRIVATE const tg__io_type *tg__io_of_dtype(tg_dtype dtype) {
    int i;
    for (i = 0; i < TG_DTYPES - 1 && (tg_dtype)tg__io_types[i].dtype != dtype; i++) {}
    return &tg__io_types[i];
}
TG__PRIVATE const tg__io_type *tg__io_of_safetensors(const char *name) {
    int i;
    for (i = 0; i < TG__IO_TYPES; i++)
        if (name[0] && strcmp(name, tg__io_types[i].st) == 0) return &tg__io_types[i];
    return NULL;
}

/* Bytes of a file's tensor; false if they cannot be counted, or if packed elements end inside a byte. Sizes
   of 0 do not excuse the others: strides are their product. All types have one limit, that of 16 bytes a
   number, so that what was read can be written and read again. */
TG__PRIVATE bool tg__io_bytes(const tg__io_type *y, int ndim, const int64_t *shape, uint64_t *bytes) {
    int64_t unit = tg__io_is_pair(y) ? 32 : 16, most = unit, count;
    bool empty = false;
    int i;
    for (i = 0; i < ndim; i++) {
        if (shape[i] == 0) empty = true;
        else if (shape[i] < 0 || !tg__mul_i64(most, shape[i], &most)) return false;
    }
    count = empty ? 0 : most / unit;
    if (count % 8 * y->bits % 8) return false;
    *bytes = (uint64_t)(count / 8 * y->bits + count % 8 * y->bits / 8);
    return true;
}

TG__PRIVATE bool tg__big_host(void) {
    const uint16_t one = 1;
    unsigned char first;
    memcpy(&first, &one, 1);
    return first == 0;
}
TG__PRIVATE void tg__swap_words(unsigned char *p, size_t bytes, size_t word) {
    size_t i, k;
    for (i = 0; word > 1 && i + word <= bytes; i += word) {
        for (k = 0; k < word / 2; k++) {
            unsigned char b = p[i + k];
            p[i + k] = p[i + word - 1 - k];
            p[i + word - 1 - k] = b;
        }
    }
}
TG__PRIVATE uint64_t tg__get_word(const unsigned char *p, size_t word, bool big) {
    uint64_t v = 0;
    size_t k;
    for (k = 0; k < word; k++) v = v << 8 | p[big ? k : word - 1 - k];
    return v;
}

/* ---- a place in a file's bytes ---- */
/* `who` is the path, or the format's name where there is none: messages begin with it. */
typedef struct tg__cursor { tg_ctx *tg; const char *op, *who; const unsigned char *s; size_t at, end; } tg__cursor;

TG__PRIVATE bool tg__bad(const tg__cursor *c, const char *what) {
    c->tg->where = c->op;
    return tg__fail(c->tg, TG__E_FORMAT, c->who, what, (int64_t)c->at);
}
/* With a name from the file in the message: shortened, and without characters that a terminal obeys. */
TG__PRIVATE bool tg__bad_name(const tg__cursor *c, size_t at, const char *kind, const char *name, const char *what) {
    char text[256];
    tg__text t = tg__text_over(text, sizeof text);
    tg__cursor there = *c;
    int i;
    tg__put(&t, kind); tg__put(&t, " '");
    for (i = 0; name[i] && (i < 64 || (name[i] & 0xC0) == 0x80); i++)
        tg__put_char(&t, (unsigned char)name[i] < 32 || name[i] == 127 ? '?' : name[i]);
    tg__put(&t, name[i] ? "...' " : "' "); tg__put(&t, what);
    there.at = at;
    return tg__bad(&there, text);
}

/* ---- JSON, as far as headers need it ---- */
TG__PRIVATE void tg__json_space(tg__cursor *c) {
    while (c->at < c->end && (c->s[c->at] == ' ' || c->s[c->at] == '\n' ||
                              c->s[c->at] == '\r' || c->s[c->at] == '\t')) c->at++;
}
TG__PRIVATE bool tg__json_take(tg__cursor *c, char want) {             /* no error if something else stands there */
    tg__json_space(c);
    if (c->at >= c->end || c->s[c->at] != (unsigned char)want) return false;
    c->at++;
    return true;
}
TG__PRIVATE bool tg__json_word(tg__cursor *c, const char *word) {
    size_t n = strlen(word);
    tg__json_space(c);
    if (c->end - c->at < n || memcmp(c->s + c->at, word, n) != 0) return false;
    c->at += n;
    return true;
}

/* Length of the UTF-8 sequence at s, 0 if it is none: no overlong forms, no surrogates, nothing beyond U+10FFFF. */
TG__PRIVATE size_t tg__utf8_length(const unsigned char *s, size_t left) {
    size_t n = s[0] < 0x80 ? 1 : s[0] < 0xC2 ? 0 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : s[0] < 0xF5 ? 4 : 0, i;
    if (n > left) return 0;
    for (i = 1; i < n; i++) if ((s[i] & 0xC0) != 0x80) return 0;
    if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F)) return 0;
    if ((s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F)) return 0;
    return n;
}
TG__PRIVATE bool tg__utf8_valid(const char *text) {
    const unsigned char *s = (const unsigned char *)text;
    size_t left = strlen(text), n;
    for (; left; s += n, left -= n) if ((n = tg__utf8_length(s, left)) == 0) return false;
    return true;
}
TG__PRIVATE size_t tg__utf8_put(char *out, uint32_t code) {
    if (code < 0x80) { out[0] = (char)code; return 1; }
    if (code < 0x800) { out[0] = (char)(0xC0 | code >> 6); out[1] = (char)(0x80 | (code & 63)); return 2; }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 63)); out[2] = (char)(0x80 | (code & 63));
        return 3;
    }
    out[0] = (char)(0xF0 | code >> 18); out[1] = (char)(0x80 | (code >> 12 & 63));
    out[2] = (char)(0x80 | (code >> 6 & 63)); out[3] = (char)(0x80 | (code & 63));
    return 4;
}

TG__PRIVATE bool tg__json_hex4(tg__cursor *c, uint32_t *v) {           /* \uXXXX at the cursor */
    int i;
    if (c->end - c->at < 6 || c->s[c->at] != '\\' || c->s[c->at + 1] != 'u') return false;
    for (*v = 0, i = 2; i < 6; i++) {
        unsigned char b = c->s[c->at + (size_t)i], low = (unsigned char)(b | 32);
        if (b >= '0' && b <= '9') *v = *v << 4 | (uint32_t)(b - '0');
        else if (low >= 'a' && low <= 'f') *v = *v << 4 | (uint32_t)(low - 'a' + 10);
        else return false;
    }
    c->at += 6;
    return true;
}
TG__PRIVATE bool tg__json_escape(tg__cursor *c, uint32_t *code) {
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *p;
    uint32_t low;
    if (c->end - c->at >= 2 && c->s[c->at + 1] != 'u') {
        p = (const char *)memchr(from, c->s[c->at + 1], sizeof from - 1);
        if (!p) return tg__bad(c, "unknown escape in a string");
        *code = (unsigned char)to[p - from];
        c->at += 2;
        return true;
    }
    if (!tg__json_hex4(c, code)) return tg__bad(c, "incomplete escape in a string");
    if (*code >= 0xDC00 && *code < 0xE000) return tg__bad(c, "half of a surrogate pair in a string");
    if (*code >= 0xD800 && *code < 0xDC00) {
        if (!tg__json_hex4(c, &low) || low < 0xDC00 || low >= 0xE000)
            return tg__bad(c, "half of a surrogate pair in a string");
        *code = 0x10000 + ((*code - 0xD800) << 10) + (low - 0xDC00);
    }
    if (*code == 0) return tg__bad(c, "U+0000 in a string");          /* our names end with a 0 */
    return true;
}
/* Decodes a string into `out` and ends it with a 0; returns the bytes it took with that 0, or 0 after an
   error. Escapes only shrink and two quotes leave room for the 0, so a buffer as long as the rest of the
   file's text always suffices. */
TG__PRIVATE size_t tg__json_string(tg__cursor *c, char *out) {
    size_t n = 0, k;
    uint32_t code;
    if (!tg__json_take(c, '"')) { (void)tg__bad(c, "expected a string"); return 0; }
    while (c->at < c->end && c->s[c->at] != '"') {
        if (c->s[c->at] == '\\') {
            if (!tg__json_escape(c, &code)) return 0;
            n += tg__utf8_put(out + n, code);
            continue;
        }
        if (c->s[c->at] < 32) { (void)tg__bad(c, "control character in a string"); return 0; }
        k = tg__utf8_length(c->s + c->at, c->end - c->at);
        if (k == 0) { (void)tg__bad(c, "a string is not UTF-8"); return 0; }
        memcpy(out + n, c->s + c->at, k);
        n += k; c->at += k;
    }
    if (c->at >= c->end) { (void)tg__bad(c, "a string does not end"); return 0; }
    c->at++;
    out[n] = 0;
    return n + 1;
}
TG__PRIVATE bool tg__json_u64(tg__cursor *c, uint64_t *v) {            /* a whole number that is not negative */
    size_t start;
    tg__json_space(c);
    for (start = c->at, *v = 0; c->at < c->end && c->s[c->at] >= '0' && c->s[c->at] <= '9'; c->at++) {
        uint64_t digit = (uint64_t)(c->s[c->at] - '0');
        if (*v > (UINT64_MAX - digit) / 10) return tg__bad(c, "a number does not fit 64 bits");
        *v = *v * 10 + digit;
    }
    if (c->at == start) return tg__bad(c, "expected a whole number that is not negative");
    if (c->at - start > 1 && c->s[start] == '0') return tg__bad(c, "a number begins with 0");
    return true;
}
TG__PRIVATE bool tg__json_dim(tg__cursor *c, int *ndim, int64_t *shape) {      /* one more size for a shape */
    uint64_t v;
    if (*ndim == TG_MAX_DIMS)
        return tg__bad(c, "a shape has more than 8 dimensions, which this library cannot hold");
    if (!tg__json_u64(c, &v)) return false;
    if (v > (uint64_t)INT64_MAX) return tg__bad(c, "a size does not fit 63 bits");
    shape[(*ndim)++] = (int64_t)v;
    return true;
}

/* ---- from a file's bytes to a tensor ---- */
/* data holds what tg__io_bytes counted. The caller owns the count of the tensor. */
TG__PRIVATE tg_tensor *tg__io_tensor(tg__cursor *c, const tg__io_type *y, int ndim, const int64_t *shape,
    const unsigned char *data, size_t bytes, bool big) {
    size_t n = bytes / y->word, i;
    int64_t dims[TG_MAX_DIMS];
    int how = y->how;
    tg_dtype dtype = (tg_dtype)y->dtype;
    tg_tensor *t;
    for (i = 0; i < (size_t)ndim; i++) dims[i] = shape[i];
    for (i = 0; how == TG__IO_U64 && i < n; i++) if (data[i * 8 + (big ? 0 : 7)] & 0x80) {
        how = TG__IO_RAW;
        dtype = TG_U8;
    }
    if (how == TG__IO_RAW && y->bits < 8) { ndim = 1; dims[0] = (int64_t)bytes; }
    else if (tg__io_is_pair(y) || (how == TG__IO_RAW && y->word > 1)) {
        if (ndim == TG_MAX_DIMS) {
            (void)tg__bad(c, "a shape needs one more dimension than the 8 that this library can hold");
            return NULL;
        }
        dims[ndim++] = tg__io_is_pair(y) ? 2 : y->word;
    }
    c->tg->where = c->op;
    t = tg__tensor_make(c->tg, TG_CPU, dtype, ndim, dims, NULL);
    if (!t || n == 0) return t;
    switch (how) {
        /* kernels rely on 0 and 1 */
        case TG__IO_BOOL: for (i = 0; i < n; i++) ((uint8_t *)t->data)[i] = data[i] != 0; break;
        case TG__IO_U16:
            for (i = 0; i < n; i++)
                ((int32_t *)t->data)[i] = (int32_t)tg__get_word(data + i * 2, 2, big);
            break;
        case TG__IO_U32:
            for (i = 0; i < n; i++)
                ((int64_t *)t->data)[i] = (int64_t)tg__get_word(data + i * 4, 4, big);
            break;
        default:
            memcpy(t->data, data, bytes);
            if (big != tg__big_host()) tg__swap_words((unsigned char *)t->data, bytes, y->word);
    }
    return t;
}

/* ---- names: a crit-bit tree ----
   Keys in the order they came, and a binary tree over their bytes: the branch that came with key i tells at
   which byte and bit two groups of keys part. Finding a name walks at most its own bits, whatever the other
   names are, so a file cannot be made that is slow to read; with a hash table it could. */
/* child: 2 * i is branch i, 2 * i + 1 is key i */
typedef struct tg__key { const char *name; uint32_t child[2], at, bit; } tg__key;
typedef struct tg__names { tg__key *key; int64_t count, room; uint32_t root; } tg__names;

/* The key that shares the longest beginning with name. Bytes behind a name's end read as 0. */
TG__PRIVATE uint32_t tg__names_closest(const tg__names *k, const char *name) {
    size_t length = strlen(name);
    uint32_t ref = k->root;
    while (!(ref & 1)) {
        const tg__key *b = &k->key[ref >> 1];
        ref = b->child[b->at < length && ((unsigned char)name[b->at] & b->bit)];
    }
    return ref >> 1;
}
TG__PRIVATE int64_t tg__names_find(const tg__names *k, const char *name) {
    uint32_t i;
    if (k->count == 0) return -1;
    i = tg__names_closest(k, name);
    return strcmp(k->key[i].name, name) == 0 ? (int64_t)i : -1;
}
/* `p` with room for one more; room doubles. NULL: failed, p is as it was. */
TG__PRIVATE void *tg__grow(tg_ctx *tg, void *p, int64_t count, int64_t *room, size_t each) {
    int64_t more = *room ? *room * 2 : 8;
    if (count < *room) return p;
    if (more > INT32_MAX) { (void)tg__fail_memory(tg, SIZE_MAX); return NULL; }
    p = tg__mem_resize(tg, p, (size_t)*room * each, (size_t)more * each);
    if (p) *room = more;
    return p;
}
/* name is new, and stays where it is */
TG__PRIVATE bool tg__names_add(tg_ctx *tg, tg__names *k, const char *name) {
    uint32_t i = (uint32_t)k->count, at = 0, bit = 0x80, *slot = &k->root;
    size_t length = strlen(name);
    const unsigned char *a = (const unsigned char *)name, *b;
    tg__key *p = (tg__key *)tg__grow(tg, k->key, k->count, &k->room, sizeof *p);
    if (!p) return false;
    k->key = p;
    p[i].name = name;
    if (i == 0) k->root = 1;
    else {
        b = (const unsigned char *)p[tg__names_closest(k, name)].name;
        while (a[at] == b[at]) at++;
        while (!((a[at] ^ b[at]) & bit)) bit >>= 1;
        /* down to where keys that differ that early belong */
        while (!(*slot & 1)) {
            tg__key *q = &p[*slot >> 1];
            if (q->at > at || (q->at == at && q->bit < bit)) break;
            slot = &q->child[q->at < length && (a[q->at] & q->bit)];
        }
        p[i].at = at; p[i].bit = bit;
        p[i].child[(a[at] & bit) != 0] = 2 * i + 1;
        p[i].child[(a[at] & bit) == 0] = *slot;
        *slot = 2 * i;
    }
    k->count++;
    return true;
}

/* ---- the dict ---- */
/* raw NULL: an ordinary tensor; else its type in files, and the shape that a file gives it */
typedef struct tg__dict_item {
    tg_tensor *t;
    const tg__io_type *raw;
    int ndim;
    int64_t shape[TG_MAX_DIMS];
} tg__dict_item;
typedef struct tg__dict_value { char *text; size_t room; } tg__dict_value;
/* the text stands behind it */
typedef struct tg__dict_text { struct tg__dict_text *next; size_t size, used; } tg__dict_text;

struct tg_dict {
    tg_ctx *tg;
    tg__names names, keys;             /* of tensors, of metadata */
    tg__dict_item *item;   int64_t item_room;
    tg__dict_value *value; int64_t value_room;
    tg__dict_text *text;               /* newest block first; text never moves */
};

TG_API tg_dict *(tg_dict_new)(tg_ctx *tg) {
    tg_dict *d;
    if (!tg__gate(tg)) return NULL;
    tg->where = "dict_new";
    d = (tg_dict *)tg__mem_get(tg, sizeof *d);
    if (!d) return NULL;
    memset(d, 0, sizeof *d);
    d->tg = tg;
    return d;
}
TG_API void tg_dict_free(tg_dict *d) {
    tg_ctx *tg;
    int64_t i;
    if (!d || tg__inside(d->tg, "dict_free")) return;
    tg = d->tg;
    for (i = 0; i < d->names.count; i++) tg__tensor_drop(d->item[i].t);
    while (d->text) {
        tg__dict_text *b = d->text;
        d->text = b->next;
        tg__mem_put(tg, b, sizeof *b + b->size);
    }
    tg__mem_put(tg, d->names.key, (size_t)d->names.room * sizeof *d->names.key);
    tg__mem_put(tg, d->keys.key, (size_t)d->keys.room * sizeof *d->keys.key);
    tg__mem_put(tg, d->item, (size_t)d->item_room * sizeof *d->item);
    tg__mem_put(tg, d->value, (size_t)d->value_room * sizeof *d->value);
    tg__mem_put(tg, d, sizeof *d);
}

/* `size` bytes that are the dict's once tg__dict_take was told how many of them were needed. */
TG__PRIVATE char *tg__dict_room(tg_dict *d, size_t size) {
    tg__dict_text *b = d->text;
    if (!b || b->size - b->used < size) {
        size_t all = size < 960 ? 960 : size;
        if (all > SIZE_MAX / 8) { (void)tg__fail_memory(d->tg, all); return NULL; }
        b = (tg__dict_text *)tg__mem_get(d->tg, sizeof *b + all);
        if (!b) return NULL;
        b->next = d->text; b->size = all; b->used = 0;
        d->text = b;
    }
    return (char *)(b + 1) + b->used;
}
TG__PRIVATE void tg__dict_take(tg_dict *d, size_t size) { d->text->used += size; }
TG__PRIVATE char *tg__dict_copy(tg_dict *d, const char *s, size_t room) {
    char *p = tg__dict_room(d, room);
    if (!p) return NULL;
    memcpy(p, s, strlen(s) + 1);
    tg__dict_take(d, room);
    return p;
}

/* New entries, their text already in place. False: nothing changed. */
TG__PRIVATE tg__dict_item *tg__dict_add(tg_dict *d, const char *name) {
    tg__dict_item *p = (tg__dict_item *)tg__grow(d->tg, d->item, d->names.count, &d->item_room, sizeof *p);
    if (!p) return NULL;
    d->item = p;
    if (!tg__names_add(d->tg, &d->names, name)) return NULL;
    p += d->names.count - 1;
    memset(p, 0, sizeof *p);
    return p;
}
TG__PRIVATE bool tg__dict_add_meta(tg_dict *d, const char *key, char *value, size_t room) {
    tg__dict_value *p = (tg__dict_value *)tg__grow(d->tg, d->value, d->keys.count, &d->value_room, sizeof *p);
    if (!p) return false;
    d->value = p;
    if (!tg__names_add(d->tg, &d->keys, key)) return false;
    p += d->keys.count - 1;
    p->text = value; p->room = room;
    return true;
}

TG__PRIVATE bool tg__dict_text_ok(tg_dict *d, const char *text, int operand) {
    if (!text) return tg__fail(d->tg, TG__E_NULL, operand);
    return tg__utf8_valid(text) ||
        tg__fail(d->tg, TG__E_ARGUMENT, "names and metadata are UTF-8; this text is not");
}
TG__PRIVATE bool tg__dict_put(tg_dict *d, const char *name, tg_tensor *t, const tg__io_type *raw,
    int ndim, const int64_t *shape) {
    int64_t i;
    tg__dict_item *p;
    char *own;
    if (!tg__dict_text_ok(d, name, 1)) return false;
    if (strcmp(name, "__metadata__") == 0)
        return tg__fail(d->tg, TG__E_ARGUMENT,
            "no tensor can have the name __metadata__; use tg_dict_set_meta");
    i = tg__names_find(&d->names, name);
    if (i < 0) {
        own = tg__dict_copy(d, name, strlen(name) + 1);
        p = own ? tg__dict_add(d, own) : NULL;
        if (!p) return false;
    } else p = &d->item[i];
    t->count++;
    tg__tensor_drop(p->t);
    p->t = t; p->raw = raw; p->ndim = ndim;
    for (i = 0; i < ndim; i++) p->shape[i] = shape[i];
    return true;
}
/* Block-quantised tensors: u8 [bytes] in the file, and metadata "blocks.NAME" = "q8_0 32 64", dtype and shape. */
#define TG__BLOCKS_KEY "blocks."
TG__PRIVATE bool tg__dict_blocks(tg_dict *d, const char *name, const tg_tensor *t) {
    size_t room = sizeof TG__BLOCKS_KEY + strlen(name);
    char *key = (char *)tg__mem_get(d->tg, room), value[16 + 24 * TG_MAX_DIMS];
    tg__text x = tg__text_over(key, room), v = tg__text_over(value, sizeof value);
    bool ok;
    int i;
    if (!key) return false;
    tg__put(&x, TG__BLOCKS_KEY); tg__put(&x, name);
    tg__put(&v, tg_dtype_name(t->dtype));
    for (i = 0; i < t->ndim; i++) { tg__put_char(&v, ' '); tg__put_i64(&v, t->shape[i]); }
    ok = tg_dict_set_meta(d, key, value);
    tg__mem_put(d->tg, key, room);
    return ok;
}
TG_API bool (tg_dict_set)(tg_dict *d, const char *name, tg_tensor *t) {
    if (!d || !tg__gate(d->tg)) return false;
    d->tg->where = "dict_set";
    if (!t || t->opaque != TG__BLOCKS) return tg__use(d->tg, t, 2) && tg__dict_put(d, name, t, NULL, 0, NULL);
    return tg__use_any(d->tg, t, 2) && tg__dict_put(d, name, t, NULL, 0, NULL) && tg__dict_blocks(d, name, t);
}
TG_API bool (tg_dict_set_raw)(tg_dict *d, const char *name, const char *type,
    int ndim, const int64_t *shape, tg_tensor *bytes) {
    const tg__io_type *y;
    uint64_t size;
    if (!d || !tg__gate(d->tg)) return false;
    d->tg->where = "dict_set_raw";
    if (!tg__use(d->tg, bytes, 5)) return false;
    if (!type || (ndim > 0 && !shape)) return tg__fail(d->tg, TG__E_NULL, type ? 4 : 2);
    if (ndim < 0 || ndim > TG_MAX_DIMS) return tg__fail(d->tg, TG__E_NDIM, ndim);
    y = tg__io_of_safetensors(type);
    if (!y) return tg__fail(d->tg, TG__E_NAME_UNKNOWN, "the list of safetensors' types", type);
    if (bytes->dtype != TG_U8) return tg__fail(d->tg, TG__E_ARGUMENT, "raw tensors are given as u8");
    if (!tg__io_bytes(y, ndim, shape, &size) || size != (uint64_t)bytes->numel) {
        return tg__fail(d->tg, TG__E_ARGUMENT, "the shape does not need as many bytes as the tensor has");
    }
    return tg__dict_put(d, name, bytes, y, ndim, shape);
}
TG_API bool (tg_dict_set_meta)(tg_dict *d, const char *key, const char *value) {
    tg__dict_value *v = NULL;
    size_t room;
    int64_t i;
    char *text, *own = NULL;
    if (!d || !tg__gate(d->tg)) return false;
    d->tg->where = "dict_set_meta";
    if (!tg__dict_text_ok(d, key, 1) || !tg__dict_text_ok(d, value, 2)) return false;
    i = tg__names_find(&d->keys, key);
    room = strlen(value) + 1;
    /* in place where it fits; else with room to grow, so that a counter does not fill memory */
    if (i >= 0) {
        v = &d->value[i];
        if (room <= v->room) { memmove(v->text, value, room); return true; }
        room *= 2;
    } else if (!(own = tg__dict_copy(d, key, strlen(key) + 1))) return false;
    text = tg__dict_copy(d, value, room);
    if (!text) return false;
    if (!v) return tg__dict_add_meta(d, own, text, room);
    v->text = text; v->room = room;
    return true;
}

TG__PRIVATE const tg__dict_item *tg__dict_item_at(const tg_dict *d, int64_t i) {
    return d && i >= 0 && i < d->names.count ? &d->item[i] : NULL;
}
TG_API tg_tensor *tg_dict_get(const tg_dict *d, const char *name) {
    return d && name ? tg_dict_at(d, tg__names_find(&d->names, name)) : NULL;
}
TG_API int64_t tg_dict_count(const tg_dict *d) { return d ? d->names.count : 0; }
TG_API const char *tg_dict_name(const tg_dict *d, int64_t i) {
    return tg__dict_item_at(d, i) ? d->names.key[i].name : NULL;
}
TG_API tg_tensor *tg_dict_at(const tg_dict *d, int64_t i) {
    const tg__dict_item *p = tg__dict_item_at(d, i);
    return p ? p->t : NULL;
}
TG_API const char *tg_dict_meta(const tg_dict *d, const char *key) {
    int64_t i = d && key ? tg__names_find(&d->keys, key) : -1;
    return i >= 0 ? d->value[i].text : NULL;
}
TG_API int64_t tg_dict_meta_count(const tg_dict *d) { return d ? d->keys.count : 0; }
TG_API const char *tg_dict_meta_key(const tg_dict *d, int64_t i) {
    return d && i >= 0 && i < d->keys.count ? d->keys.key[i].name : NULL;
}
TG_API const char *tg_dict_raw_type(const tg_dict *d, int64_t i) {
    const tg__dict_item *p = tg__dict_item_at(d, i);
    return p && p->raw ? p->raw->st : NULL;
}
TG_API int tg_dict_raw_shape(const tg_dict *d, int64_t i, const int64_t **shape) {
    const tg__dict_item *p = tg__dict_item_at(d, i);
    if (shape) *shape = p ? p->raw ? p->shape : p->t->shape : NULL;
    return p ? p->raw ? p->ndim : p->t->ndim : 0;
}

/* A small float of `exponent` bits, its mantissa below and its sign above. FNUZ kinds have one NaN where
   negative zero would be, E4M3 has no infinity. */
TG__PRIVATE float tg__f8_value(unsigned b, unsigned exponent, int bias, bool fnuz) {
    unsigned mantissa = 7 - exponent, e = (b & 0x7f) >> mantissa, m = b & ((1u << mantissa) - 1),
             top = (1u << exponent) - 1;
    float v;
    if (fnuz ? b == 0x80 : e == top && (exponent == 5 ? m != 0 : m == 7)) return (float)tg__nan();
    if (!fnuz && exponent == 5 && e == top) v = (float)tg__inf();
    else
        v = (float)(e ? m + (1u << mantissa) : m)
            * tg__float((uint32_t)((int)(e ? e : 1) - bias - (int)mantissa + 127) << 23);
    return b & 0x80 ? -v : v;
}
TG__PRIVATE float tg__raw_value(const tg__io_type *y, const unsigned char *p) {
    if (y->word == 8) return (float)tg__get_word(p, 8, tg__big_host());
    if (strcmp(y->st, "F8_E8M0") == 0)
        return *p == 255 ? (float)tg__nan() : tg__float(*p ? (uint32_t)*p << 23 : 0x400000u);
    if (strcmp(y->st, "F8_E4M3") == 0) return tg__f8_value(*p, 4, 7, false);
    if (strcmp(y->st, "F8_E5M2") == 0) return tg__f8_value(*p, 5, 15, false);
    if (strcmp(y->st, "F8_E4M3FNUZ") == 0) return tg__f8_value(*p, 4, 8, true);
    return tg__f8_value(*p, 5, 16, true);
}
TG_API tg_tensor *(tg_dict_f32)(const tg_dict *d, int64_t i) {
    const tg__dict_item *p = tg__dict_item_at(d, i);
    unsigned char *bytes;
    tg_tensor *t;
    int64_t k;
    if (!d || !tg__gate(d->tg)) return NULL;
    d->tg->where = "dict_f32";
    if (!p) { (void)tg__fail(d->tg, TG__E_ARGUMENT, "the dict has no tensor of that number"); return NULL; }
    if (!p->raw) return tg_to(p->t, TG_F32);
    if (p->raw->how != TG__IO_U64 && (p->raw->how != TG__IO_RAW || p->raw->bits != 8)) {
        (void)tg__fail(d->tg, TG__E_ARGUMENT,
            "only U64 and the F8 kinds can be converted; tg_dict_raw_type tells what this one is");
        return NULL;
    }
    bytes = (unsigned char *)tg__mem_get(d->tg, (size_t)p->t->numel);
    if (!bytes) return NULL;
    t = tg_read(p->t, bytes, (size_t)p->t->numel) ? tg_empty(d->tg, p->ndim, p->shape, TG_F32) : NULL;
    for (k = 0; t && k < t->numel; k++) ((float *)t->data)[k] = tg__raw_value(p->raw, bytes + k * p->raw->word);
    tg__mem_put(d->tg, bytes, (size_t)p->t->numel);
    return t;
}

/* --------------------------------------------------------------- safetensors ----
   8 bytes length of the header, little end first; the header, JSON: { name: { "dtype", "shape",
   "data_offsets": [begin, end] }, ..., "__metadata__": { text: text } }; the data.
   As in the reference reader the tensors must cover the data exactly. Stricter than it: a name may come once
   only, and an entry has those three fields. The reference reader's limit of 100 MB for the header holds here
   too, and for what is written. */
#define TG__ST_HEADER ((uint64_t)100000000)

typedef struct tg__st_span {
    uint64_t begin, end;
    size_t at;                   /* where the name stands in the file */
    const tg__io_type *type;
} tg__st_span;
typedef struct tg__st {
    tg__cursor c;
    tg_dict *d;
    tg__st_span *span;
    int64_t room;
    uint64_t data;               /* bytes behind the header */
} tg__st;

TG__PRIVATE bool tg__st_shape(tg__cursor *c, int *ndim, int64_t *shape) {
    *ndim = 0;
    if (!tg__json_take(c, '[')) return tg__bad(c, "expected [ and a shape");
    if (tg__json_take(c, ']')) return true;
    do { if (!tg__json_dim(c, ndim, shape)) return false; } while (tg__json_take(c, ','));
    return tg__json_take(c, ']') || tg__bad(c, "expected , or ] in a shape");
}
TG__PRIVATE bool tg__st_field(tg__st *r, tg__st_span *s, tg__dict_item *p, unsigned *seen) {
    tg__cursor *c = &r->c;
    size_t at = c->at;
    unsigned field;
    /* the first block has room for all text of the header */
    char *text = tg__dict_room(r->d, 1);
    if (!text || !tg__json_string(c, text)) return false;
    field = strcmp(text, "dtype") == 0 ? 1
        : strcmp(text, "shape") == 0 ? 2 : strcmp(text, "data_offsets") == 0 ? 4 : 0;
    if (!field) return tg__bad_name(c, at, "field", text, "is not dtype, shape or data_offsets");
    if (*seen & field) return tg__bad_name(c, at, "field", text, "comes twice");
    *seen |= field;
    if (!tg__json_take(c, ':')) return tg__bad(c, "expected :");
    if (field == 2) return tg__st_shape(c, &p->ndim, p->shape);
    if (field == 4) {
        if (!tg__json_take(c, '[')) return tg__bad(c, "expected [begin, end]");
        if (!tg__json_u64(c, &s->begin)) return false;
        if (!tg__json_take(c, ',')) return tg__bad(c, "expected [begin, end]");
        return tg__json_u64(c, &s->end) && (tg__json_take(c, ']') || tg__bad(c, "expected [begin, end]"));
    }
    tg__json_space(c);
    at = c->at;
    if (!tg__json_string(c, text)) return false;
    s->type = tg__io_of_safetensors(text);
    return s->type || tg__bad_name(c, at, "dtype", text, "is unknown");
}
TG__PRIVATE bool tg__st_tensor(tg__st *r, const char *name, size_t at) {
    tg__cursor *c = &r->c;
    tg__st_span *s;
    tg__dict_item *p;
    uint64_t bytes;
    unsigned seen = 0;
    if (tg__names_find(&r->d->names, name) >= 0) return tg__bad_name(c, at, "tensor", name, "comes twice");
    s = (tg__st_span *)tg__grow(c->tg, r->span, r->d->names.count, &r->room, sizeof *s);
    if (!s) return false;
    r->span = s;
    p = tg__dict_add(r->d, name);
    if (!p) return false;
    s += r->d->names.count - 1;
    s->at = at;
    if (!tg__json_take(c, '{')) return tg__bad_name(c, c->at, "tensor", name, "is not followed by {");
    do { if (!tg__st_field(r, s, p, &seen)) return false; } while (tg__json_take(c, ','));
    if (!tg__json_take(c, '}')) return tg__bad(c, "expected , or }");
    if (seen != 7)
        return tg__bad_name(c, at, "tensor", name, !(seen & 1) ? "has no dtype"
            : !(seen & 2) ? "has no shape" : "has no data_offsets");
    if (s->begin > s->end) return tg__bad_name(c, at, "tensor", name, "ends before it begins");
    if (s->end > r->data) return tg__bad_name(c, at, "tensor", name, "reaches past the end of the file");
    if (!tg__io_bytes(s->type, p->ndim, p->shape, &bytes))
        return tg__bad_name(c, at, "tensor", name, "has a shape whose bytes cannot be counted");
    if (bytes != s->end - s->begin)
        return tg__bad_name(c, at, "tensor", name, "has a shape that does not fit its data_offsets");
    return true;
}
TG__PRIVATE bool tg__st_metadata(tg__st *r) {
    tg__cursor *c = &r->c;
    if (tg__json_word(c, "null")) return true;                         /* the reference reader takes it */
    if (!tg__json_take(c, '{')) return tg__bad(c, "expected { and metadata");
    if (tg__json_take(c, '}')) return true;
    do {
        size_t at = c->at, n;
        char *key = tg__dict_room(r->d, 1), *value;
        n = key ? tg__json_string(c, key) : 0;
        if (!n) return false;
        if (tg__names_find(&r->d->keys, key) >= 0) return tg__bad_name(c, at, "metadata", key, "comes twice");
        tg__dict_take(r->d, n);
        if (!tg__json_take(c, ':')) return tg__bad(c, "expected :");
        value = tg__dict_room(r->d, 1);
        n = value ? tg__json_string(c, value) : 0;
        if (!n || !tg__dict_add_meta(r->d, key, value, n)) return false;
        tg__dict_take(r->d, n);
    } while (tg__json_take(c, ','));
    return tg__json_take(c, '}') || tg__bad(c, "expected , or } in the metadata");
}
TG__PRIVATE bool tg__st_header(tg__st *r) {
    tg__cursor *c = &r->c;
    bool metadata = false;
    if (c->at >= c->end || c->s[c->at] != '{') return tg__bad(c, "the header does not begin with {");
    c->at++;
    if (!tg__json_take(c, '}')) {
        do {
            size_t at, n;
            char *name = tg__dict_room(r->d, 1);
            tg__json_space(c);
            at = c->at;
            n = name ? tg__json_string(c, name) : 0;
            if (!n) return false;
            if (!tg__json_take(c, ':')) return tg__bad(c, "expected :");
            if (strcmp(name, "__metadata__") == 0) {
                if (metadata) return tg__bad_name(c, at, "field", name, "comes twice");
                metadata = true;
                if (!tg__st_metadata(r)) return false;
            } else {
                tg__dict_take(r->d, n);
                if (!tg__st_tensor(r, name, at)) return false;
            }
        } while (tg__json_take(c, ','));
        if (!tg__json_take(c, '}')) return tg__bad(c, "expected , or } behind a tensor");
    }
    tg__json_space(c);
    return c->at == c->end || tg__bad(c, "text behind the header's last }");
}

TG__PRIVATE bool tg__st_before(const tg__st_span *a, const tg__st_span *b) {
    return a->begin != b->begin ? a->begin < b->begin : a->end < b->end;
}
TG__PRIVATE void tg__st_sift(const tg__st_span *s, uint32_t *order, int64_t i, int64_t n) {
    uint32_t top = order[i];
    int64_t k;
    for (; (k = 2 * i + 1) < n; i = k) {
        if (k + 1 < n && tg__st_before(&s[order[k]], &s[order[k + 1]])) k++;
        if (!tg__st_before(&s[top], &s[order[k]])) break;
        order[i] = order[k];
    }
    order[i] = top;
}
/* Do the tensors cover the data, each byte once? Most files list them in the order of their data; others are
   sorted (by heap: no recursion, and no order makes it slow). */
TG__PRIVATE bool tg__st_cover(tg__st *r) {
    int64_t n = r->d->names.count, i;
    const tg__st_span *s = r->span, *q;
    uint64_t at = 0;
    uint32_t *order;
    for (i = 0; i < n && s[i].begin == at; i++) at = s[i].end;
    if (i < n) {
        order = (uint32_t *)tg__mem_get(r->c.tg, (size_t)n * sizeof *order);
        if (!order) return false;
        for (i = 0; i < n; i++) order[i] = (uint32_t)i;
        for (i = n / 2 - 1; i >= 0; i--) tg__st_sift(s, order, i, n);
        for (i = n - 1; i > 0; i--) {
            uint32_t first = order[0]; order[0] = order[i]; order[i] = first;
            tg__st_sift(s, order, 0, i);
        }
        for (at = 0, i = 0; i < n && s[order[i]].begin == at; i++) at = s[order[i]].end;
        q = i < n ? &s[order[i]] : NULL;
        if (q)
            (void)tg__bad_name(&r->c, q->at, "tensor", r->d->names.key[q - s].name,
                q->begin > at ? "leaves a hole before its data" : "overlaps another tensor's data");
        tg__mem_put(r->c.tg, order, (size_t)n * sizeof *order);
        if (q) return false;
    }
    r->c.at = r->c.end + (size_t)at;
    return at == r->data || tg__bad(&r->c, "bytes behind the last tensor");
}
TG__PRIVATE bool tg__st_data(tg__st *r) {
    int64_t i;
    for (i = 0; i < r->d->names.count; i++) {
        const tg__st_span *s = &r->span[i];
        tg__dict_item *p = &r->d->item[i];
        r->c.at = s->at;
        p->t = tg__io_tensor(&r->c, s->type, p->ndim, p->shape, r->c.s + r->c.end + s->begin,
            (size_t)(s->end - s->begin), false);
        if (!p->t) return false;
        if (s->type->how == TG__IO_RAW || (s->type->how == TG__IO_U64 && p->t->dtype == TG_U8)) p->raw = s->type;
    }
    return true;
}
/* What metadata calls blocks becomes a block-quantised tensor over the same bytes. */
TG__PRIVATE bool tg__st_blocks(tg__st *r) {
    tg_ctx *tg = r->c.tg;
    int64_t k, i;
    for (k = 0; k < r->d->keys.count; k++) {
        const char *key = r->d->keys.key[k].name, *p = r->d->value[k].text, *end = p + strlen(p);
        const tg_dtype dtype = p[0] == 'q' && p[1] == '4' ? TG_Q4_0 : TG_Q8_0;
        const size_t name = strlen(tg_dtype_name(dtype));
        int64_t shape[TG_MAX_DIMS], numel;
        tg_tensor *t, *b;
        int ndim = 0;
        if (strncmp(key, TG__BLOCKS_KEY, sizeof TG__BLOCKS_KEY - 1) != 0) continue;
        i = tg__names_find(&r->d->names, key + sizeof TG__BLOCKS_KEY - 1);
        r->c.at = 8;
        if (i < 0 || strncmp(p, tg_dtype_name(dtype), name) != 0) return tg__bad_name(&r->c, 8, "metadata", key, "speaks of no tensor or no type");
        for (p += name; *p == ' ' && ndim < TG_MAX_DIMS; ndim++)
            if (!tg__parse_i64(p + 1, end, &p, &shape[ndim]) || shape[ndim] < 0) return tg__bad_name(&r->c, 8, "metadata", key, "has no shape");
        t = r->d->item[i].t;
        if (*p || !tg__check_shape(tg, dtype, ndim, shape, &numel) || t->dtype != TG_U8 || (uint64_t)t->numel != tg_dtype_bytes(dtype, numel)) {
            tg_clear(tg);
            return tg__bad_name(&r->c, 8, "metadata", key, "does not fit its tensor's bytes");
        }
        b = tg__tensor_make(tg, TG_CPU, dtype, ndim, shape, NULL);
        if (!b) return false;
        if (t->numel) memcpy(b->data, t->data, (size_t)t->numel);
        r->d->item[i].t = b;
        tg__tensor_drop(t);
    }
    return true;
}
TG__PRIVATE tg_dict *tg__st_parse(tg_ctx *tg, const char *op, const char *who, const void *bytes, size_t size) {
    tg__st r;
    uint64_t n;
    bool ok;
    memset(&r, 0, sizeof r);
    r.c.tg = tg; r.c.op = op; r.c.who = who; r.c.s = (const unsigned char *)bytes;
    if (size < 8) {
        (void)tg__bad(&r.c, "the file is shorter than the 8 bytes of the header's length");
        return NULL;
    }
    n = tg__get_word(r.c.s, 8, false);
    if (n > TG__ST_HEADER) { (void)tg__bad(&r.c, "the header is longer than 100 MB"); return NULL; }
    if (n > size - 8) { (void)tg__bad(&r.c, "the header is longer than the file"); return NULL; }
    r.c.at = 8; r.c.end = 8 + (size_t)n;
    r.data = size - 8 - n;
    r.d = tg_dict_new(tg);
    if (!r.d) return NULL;
    ok = tg__dict_room(r.d, (size_t)n + 1) && tg__st_header(&r) && tg__st_cover(&r) && tg__st_data(&r) && tg__st_blocks(&r);
    tg__mem_put(tg, r.span, (size_t)r.room * sizeof *r.span);
    if (ok) return r.d;
    tg_dict_free(r.d);
    return NULL;
}
TG_API tg_dict *(tg_safetensors_parse)(tg_ctx *tg, const void *bytes, size_t size) {
    if (!tg__gate(tg)) return NULL;
    tg->where = "safetensors_parse";
    if (!bytes && size) { (void)tg__fail(tg, TG__E_NO_DATA, "data"); return NULL; }
    return tg__st_parse(tg, "safetensors_parse", "bytes", bytes, size);
}
TG_API tg_dict *(tg_safetensors_load)(tg_ctx *tg, const char *path) {
    void *data = NULL;
    size_t size = 0;
    tg_dict *d;
    if (!tg__gate(tg)) return NULL;
    tg->where = "safetensors_load";
    if (!path) { (void)tg__fail(tg, TG__E_NULL, 1); return NULL; }
    if (!tg__load_file(tg, path, &data, &size)) return NULL;
    d = tg__st_parse(tg, "safetensors_load", path, data, size);
    tg__mem_put(tg, data, size);
    return d;
}

/* Writing. The header lists the tensors in the dict's order; the data stand sorted by the size of their
   words, so that all are aligned. */
typedef struct tg__st_plan {
    int64_t *begin;              /* [count], of each tensor's data */
    char *head;
    size_t head_size;
    int64_t data;
} tg__st_plan;

TG__PRIVATE int tg__st_word(const tg__dict_item *p) {
    return p->raw ? p->raw->word : p->t->opaque ? 1 : (int)tg_dtype_size(p->t->dtype);
}
TG__PRIVATE int64_t tg__st_bytes(const tg__dict_item *p) { return (int64_t)tg_dtype_bytes(p->t->dtype, p->t->numel); }
TG__PRIVATE void tg__put_json(tg__text *t, const char *s) {
    static const char hex[] = "0123456789abcdef", from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    tg__put_char(t, '"');
    for (; *s; s++) {
        const char *p = (const char *)memchr(from, *s, sizeof from - 1);
        unsigned char b = (unsigned char)*s;
        if (p) { tg__put_char(t, '\\'); tg__put_char(t, to[p - from]); }
        else if (b < 32) { tg__put(t, "\\u00"); tg__put_char(t, hex[b >> 4]); tg__put_char(t, hex[b & 15]); }
        else tg__put_char(t, *s);
    }
    tg__put_char(t, '"');
}
TG__PRIVATE void tg__st_put_header(tg__text *t, const tg_dict *d, const int64_t *begin) {
    int64_t i;
    int k;
    tg__put_char(t, '{');
    for (i = 0; i < d->keys.count; i++) {
        tg__put(t, i ? "," : "\"__metadata__\":{");
        tg__put_json(t, d->keys.key[i].name); tg__put_char(t, ':'); tg__put_json(t, d->value[i].text);
    }
    if (d->keys.count) tg__put(t, d->names.count ? "}," : "}");
    for (i = 0; i < d->names.count; i++) {
        const tg__dict_item *p = &d->item[i];
        const int64_t size = tg__st_bytes(p), *shape = p->raw ? p->shape : p->t->opaque ? &size : p->t->shape;
        int ndim = p->raw ? p->ndim : p->t->opaque ? 1 : p->t->ndim;
        if (i) tg__put_char(t, ',');
        tg__put_json(t, d->names.key[i].name);
        tg__put(t, ":{\"dtype\":\""); tg__put(t, p->raw ? p->raw->st : tg__io_of_dtype(p->t->opaque ? TG_U8 : p->t->dtype)->st);
        tg__put(t, "\",\"shape\":[");
        for (k = 0; k < ndim; k++) { if (k) tg__put_char(t, ','); tg__put_i64(t, shape[k]); }
        tg__put(t, "],\"data_offsets\":["); tg__put_i64(t, begin[i]);
        tg__put_char(t, ','); tg__put_i64(t, begin[i] + tg__st_bytes(p));
        tg__put(t, "]}");
    }
    tg__put_char(t, '}');
    while (t->length % 8) tg__put_char(t, ' ');
}
/* Every tensor's place, and the length and the header as they stand in the file. The caller frees begin and
   head, also after an error. */
TG__PRIVATE bool tg__st_layout(const tg_dict *d, tg__st_plan *w) {
    size_t count = (size_t)d->names.count, i;
    tg__text t = tg__text_over(NULL, 0);
    int64_t bytes;
    int word, k;
    memset(w, 0, sizeof *w);
    w->begin = (int64_t *)tg__mem_get(d->tg, count * sizeof *w->begin);
    if (!w->begin) return false;
    for (word = 8; word >= 1; word /= 2) {
        for (i = 0; i < count; i++) {
            if (tg__st_word(&d->item[i]) != word) continue;
            w->begin[i] = w->data;
            bytes = tg__st_bytes(&d->item[i]);
            if (!tg__add_i64(w->data, bytes, &w->data)) {
                return tg__fail(d->tg, TG__E_TOO_LARGE, d->item[i].t->ndim, d->item[i].t->shape);
            }
        }
    }
    tg__st_put_header(&t, d, w->begin);
    if (t.length > TG__ST_HEADER)
        return tg__fail(d->tg, TG__E_ARGUMENT,
            "names and metadata need a header of more than 100 MB, which readers refuse");
    w->head_size = 8 + t.length;
    w->head = (char *)tg__mem_get(d->tg, w->head_size + 1);
    if (!w->head) return false;
    for (k = 0; k < 8; k++) w->head[k] = (char)(unsigned char)((uint64_t)t.length >> (8 * k));
    t = tg__text_over(w->head + 8, t.length + 1);
    tg__st_put_header(&t, d, w->begin);
    return true;
}
TG__PRIVATE void tg__st_plan_free(const tg_dict *d, tg__st_plan *w) {
    tg__mem_put(d->tg, w->begin, (size_t)d->names.count * sizeof *w->begin);
    tg__mem_put(d->tg, w->head, w->head_size + 1);
}

/* Packed, row-major, little end first. */
TG__PRIVATE bool tg__io_pack(tg_tensor *t, unsigned char *out, size_t bytes, int word) {
    if (bytes == 0) return true;
    if (!tg_read(t, out, bytes)) return false;
    if (tg__big_host()) tg__swap_words(out, bytes, (size_t)word);
    return true;
}
/* The same bytes where they stand if they stand so, else a packed copy that the innermost scope holds. NULL:
   failed. */
TG__PRIVATE const void *tg__io_packed(tg_tensor *t, size_t bytes, int word) {
    int64_t size = (int64_t)bytes;
    tg_tensor *copy;
    if (t->data && tg_is_contiguous(t) && (word == 1 || !tg__big_host())) return t->data;
    copy = tg_empty(t->tg, 1, &size, TG_U8);
    return copy && tg__io_pack(t, (unsigned char *)copy->data, bytes, word) ? copy->data : NULL;
}

TG_API tg_tensor *(tg_safetensors_bytes)(const tg_dict *d) {
    tg__st_plan w;
    tg_tensor *out = NULL;
    int64_t i, size;
    tg_mark m;
    bool ok;
    if (!d || !tg__gate(d->tg)) return NULL;
    d->tg->where = "safetensors_bytes";
    m = tg_begin(d->tg);
    ok = tg__st_layout(d, &w);
    if (ok && (ok = tg__add_i64((int64_t)w.head_size, w.data, &size))) out = tg_empty(d->tg, 1, &size, TG_U8);
    if (out) memcpy(out->data, w.head, w.head_size);
    for (i = 0; out && i < d->names.count; i++) {
        const tg__dict_item *p = &d->item[i];
        if (!tg__io_pack(p->t, (unsigned char *)out->data + w.head_size + w.begin[i],
                         (size_t)tg__st_bytes(p), tg__st_word(p))) out = NULL;
    }
    tg__st_plan_free(d, &w);
    return tg_end_with(d->tg, m, out);
}
TG_API bool (tg_safetensors_save)(const tg_dict *d, const char *path) {
    tg__st_plan w;
    const void **part = NULL;
    size_t *size = NULL, count, k = 1, i;
    tg_mark m;
    int word;
    bool ok;
    if (!d || !tg__gate(d->tg)) return false;
    d->tg->where = "safetensors_save";
    if (!path) return tg__fail(d->tg, TG__E_NULL, 1);
    count = (size_t)d->names.count + 1;
    m = tg_begin(d->tg);
    ok = tg__st_layout(d, &w);
    if (ok) ok = (part = (const void **)tg__mem_get(d->tg, count * sizeof *part)) != NULL;
    if (ok) ok = (size = (size_t *)tg__mem_get(d->tg, count * sizeof *size)) != NULL;
    if (ok) { part[0] = w.head; size[0] = w.head_size; }
    for (word = 8; ok && word >= 1; word /= 2) {                       /* the order of tg__st_layout */
        for (i = 0; ok && i + 1 < count; i++) {
            const tg__dict_item *p = &d->item[i];
            if (tg__st_word(p) != word || p->t->numel == 0) continue;
            size[k] = (size_t)tg__st_bytes(p);
            part[k] = tg__io_packed(p->t, size[k], word);
            ok = part[k++] != NULL;
        }
    }
    d->tg->where = "safetensors_save";
    ok = ok && tg__save_file(d->tg, path, part, size, (int)k);
    tg__mem_put(d->tg, part, count * sizeof *part);
    tg__mem_put(d->tg, size, count * sizeof *size);
    tg__st_plan_free(d, &w);
    tg_end(d->tg, m);
    return ok;
}

/* ----------------------------------------------------------------------- npy ----
   "\x93NUMPY", version, length of the header (2 bytes in version 1, else 4), the header, the array. The
   header is the text of a Python dict, {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }; NumPy
   evaluates it as a literal, here exactly this grammar is read and nothing is evaluated. */
typedef struct tg__npy {
    const tg__io_type *type;
    bool big, fortran;
    int ndim;
    int64_t shape[TG_MAX_DIMS];
} tg__npy;

/* 'text' or "text", where it stands. None of the strings of a header needs an escape. */
TG__PRIVATE bool tg__npy_string(tg__cursor *c, const unsigned char **s, size_t *n) {
    unsigned char quote;
    tg__json_space(c);
    quote = c->at < c->end ? c->s[c->at] : 0;
    if (quote != '\'' && quote != '"') return tg__bad(c, "expected a string");
    *s = c->s + ++c->at;
    for (*n = 0; c->at < c->end && c->s[c->at] != quote; c->at++, (*n)++) {
        if (c->s[c->at] < 32 || c->s[c->at] > 126 || c->s[c->at] == '\\')
            return tg__bad(c, "unexpected character in a string");
    }
    if (c->at >= c->end) return tg__bad(c, "a string does not end");
    c->at++;
    return true;
}
TG__PRIVATE bool tg__npy_is(const unsigned char *s, size_t n, const char *word) {
    return n == strlen(word) && memcmp(s, word, n) == 0;
}
TG__PRIVATE bool tg__npy_descr(tg__cursor *c, tg__npy *h) {
    const unsigned char *s;
    size_t n, at = c->at;
    int i;
    if (!tg__npy_string(c, &s, &n)) return false;
    h->big = n && s[0] == '<' ? false : n && s[0] == '>' ? true : tg__big_host();
    if (n && (s[0] == '<' || s[0] == '>' || s[0] == '=' || s[0] == '|')) { s++; n--; }
    for (i = 0; i < TG__IO_TYPES; i++) if (tg__io_types[i].npy[0] && tg__npy_is(s, n, tg__io_types[i].npy)) {
        h->type = &tg__io_types[i];
        return true;
    }
    c->at = at;
    return tg__bad(c, "the element type is not one of b1, i1, i2, i4, i8, u1, u2, u4, u8, f2, f4, f8, c8, c16");
}
TG__PRIVATE bool tg__npy_shape(tg__cursor *c, tg__npy *h) {
    bool comma = false;
    if (!tg__json_take(c, '(')) return tg__bad(c, "expected ( and a shape");
    while (!tg__json_take(c, ')')) {
        if (h->ndim && !comma) return tg__bad(c, "expected , or ) in a shape");
        if (!tg__json_dim(c, &h->ndim, h->shape)) return false;
        if (c->at < c->end && c->s[c->at] == 'L') c->at++;             /* a long, as Python 2 wrote it */
        comma = tg__json_take(c, ',');
    }
    return h->ndim != 1 || comma || tg__bad(c, "a shape of one size is written (n,)");
}
TG__PRIVATE bool tg__npy_header(tg__cursor *c, tg__npy *h) {
    unsigned seen = 0;
    if (!tg__json_take(c, '{')) return tg__bad(c, "the header does not begin with {");
    while (!tg__json_take(c, '}')) {
        const unsigned char *s;
        size_t n, at = c->at;
        unsigned field;
        if (!tg__npy_string(c, &s, &n)) return false;
        field = tg__npy_is(s, n, "descr") ? 1
            : tg__npy_is(s, n, "fortran_order") ? 2 : tg__npy_is(s, n, "shape") ? 4 : 0;
        if (!field || (seen & field)) {
            c->at = at;
            return tg__bad(c, "expected each of descr, fortran_order and shape once");
        }
        seen |= field;
        if (!tg__json_take(c, ':')) return tg__bad(c, "expected :");
        if (field == 1 && !tg__npy_descr(c, h)) return false;
        if (field == 2 && !(h->fortran = tg__json_word(c, "True")) && !tg__json_word(c, "False"))
            return tg__bad(c, "expected True or False");
        if (field == 4 && !tg__npy_shape(c, h)) return false;
        if (tg__json_take(c, ',')) continue;
        if (!tg__json_take(c, '}')) return tg__bad(c, "expected , or }");
        break;
    }
    if (seen != 7)
        return tg__bad(c, !(seen & 1) ? "the header has no descr"
            : !(seen & 2) ? "the header has no fortran_order" : "the header has no shape");
    tg__json_space(c);
    return c->at == c->end || tg__bad(c, "text behind the header's }");
}
/* The array in Fortran order is the one with its dimensions turned round, transposed. */
TG__PRIVATE tg_tensor *tg__npy_fortran(tg__cursor *c, tg__npy *h, const unsigned char *data, size_t bytes) {
    tg_mark m = tg_begin(c->tg);
    int64_t turned[TG_MAX_DIMS], dims[TG_MAX_DIMS];
    tg_tensor *t;
    int i;
    /* the last 2 of a complex number stays last */
    for (i = 0; i < TG_MAX_DIMS; i++) dims[i] = i < h->ndim ? h->ndim - 1 - i : i;
    for (i = 0; i < h->ndim; i++) turned[i] = h->shape[h->ndim - 1 - i];
    t = tg__hold(c->tg, tg__io_tensor(c, h->type, h->ndim, turned, data, bytes, h->big));
    if (t) t = tg_permute(t, t->ndim, dims);
    if (t) t = tg_contiguous(t);
    return tg_end_with(c->tg, m, t);
}
TG__PRIVATE tg_tensor *tg__npy_parse(tg_ctx *tg, const char *op, const char *who, const void *bytes, size_t size) {
    tg__cursor c;
    tg__npy h;
    uint64_t need, room;
    c.tg = tg; c.op = op; c.who = who; c.s = (const unsigned char *)bytes; c.at = 0; c.end = size;
    memset(&h, 0, sizeof h);
    if (size < 6 || memcmp(bytes, "\x93NUMPY", 6) != 0) { (void)tg__bad(&c, "not an npy file"); return NULL; }
    c.at = 6;
    if (size < 8) { (void)tg__bad(&c, "the file ends in the version"); return NULL; }
    if (c.s[6] < 1 || c.s[6] > 3 || c.s[7] != 0) {
        (void)tg__bad(&c, "the version is not 1.0, 2.0 or 3.0");
        return NULL;
    }
    c.at = 8;
    need = c.s[6] == 1 ? 2 : 4;
    if (size - 8 < need) { (void)tg__bad(&c, "the file ends in the header's length"); return NULL; }
    room = tg__get_word(c.s + 8, (size_t)need, false);
    if (room > size - 8 - need) { (void)tg__bad(&c, "the header is longer than the file"); return NULL; }
    c.at = 8 + (size_t)need;
    c.end = c.at + (size_t)room;
    if (!tg__npy_header(&c, &h)) return NULL;
    if (!tg__io_bytes(h.type, h.ndim, h.shape, &need)) {
        (void)tg__bad(&c, "the shape has more bytes than can be counted");
        return NULL;
    }
    if (need > size - c.end) { (void)tg__bad(&c, "the file is shorter than its shape needs"); return NULL; }
    if (h.fortran && h.ndim > 1) return tg__npy_fortran(&c, &h, c.s + c.end, (size_t)need);
    return tg__hold(tg, tg__io_tensor(&c, h.type, h.ndim, h.shape, c.s + c.end, (size_t)need, h.big));
}
TG_API tg_tensor *(tg_npy_parse)(tg_ctx *tg, const void *bytes, size_t size) {
    if (!tg__gate(tg)) return NULL;
    tg->where = "npy_parse";
    if (!bytes && size) { (void)tg__fail(tg, TG__E_NO_DATA, "data"); return NULL; }
    return tg__npy_parse(tg, "npy_parse", "bytes", bytes, size);
}
TG_API tg_tensor *(tg_npy_load)(tg_ctx *tg, const char *path) {
    void *data = NULL;
    size_t size = 0;
    tg_tensor *t;
    if (!tg__gate(tg)) return NULL;
    tg->where = "npy_load";
    if (!path) { (void)tg__fail(tg, TG__E_NULL, 1); return NULL; }
    if (!tg__load_file(tg, path, &data, &size)) return NULL;
    t = tg__npy_parse(tg, "npy_load", path, data, size);
    tg__mem_put(tg, data, size);
    return t;
}

/* The header byte for byte as NumPy writes it: room for the first size to grow, then spaces to a multiple of
   64. With 8 dimensions it always fits version 1.0. Returns its length. */
#define TG__NPY_HEADER 512
TG__PRIVATE size_t tg__npy_put_header(const tg_tensor *t, char *out) {
    const tg__io_type *y = tg__io_of_dtype(t->dtype);
    tg__text x = tg__text_over(out, TG__NPY_HEADER);
    size_t first;
    int i;
    for (i = 0; i < 10; i++) tg__put_char(&x, "\x93NUMPY\1\0\0\0"[i]);
    tg__put(&x, "{'descr': '"); tg__put_char(&x, y->word > 1 ? '<' : '|'); tg__put(&x, y->npy);
    tg__put(&x, "', 'fortran_order': False, 'shape': (");
    for (i = 0; i < t->ndim; i++) {
        if (i) tg__put(&x, ", ");
        tg__put_i64(&x, t->shape[i]);
    }
    tg__put(&x, t->ndim == 1 ? ",), }" : "), }");
    if (t->ndim) {
        tg__text digits = tg__text_over(NULL, 0);
        tg__put_i64(&digits, t->shape[0]);
        for (first = digits.length; first < 21; first++) tg__put_char(&x, ' ');
    }
    do { tg__put_char(&x, ' '); } while ((x.length + 1) % 64);
    tg__put_char(&x, '\n');
    out[8] = (char)(unsigned char)((x.length - 10) & 255); out[9] = (char)(unsigned char)((x.length - 10) >> 8);
    return x.length;
}
/* The context if t can be written. */
TG__PRIVATE tg_ctx *tg__npy_start(tg_tensor *t, const char *op, int64_t *bytes) {
    tg_ctx *tg = tg__start(t, op);
    if (!tg) return NULL;
    if (!tg__io_of_dtype(t->dtype)->npy[0]) {
        (void)tg__fail(tg, TG__E_ARGUMENT, "NumPy has no bf16; convert with tg_to(t, TG_F32)");
        return NULL;
    }
    if (!tg__mul_i64(t->numel, (int64_t)tg_dtype_size(t->dtype), bytes)) {
        (void)tg__fail(tg, TG__E_TOO_LARGE, t->ndim, t->shape);
        return NULL;
    }
    return tg;
}
TG_API tg_tensor *(tg_npy_bytes)(tg_tensor *t) {
    char head[TG__NPY_HEADER];
    int64_t bytes, size;
    size_t n;
    tg_tensor *out;
    tg_mark m;
    tg_ctx *tg = tg__npy_start(t, "npy_bytes", &bytes);
    if (!tg) return NULL;
    n = tg__npy_put_header(t, head);
    if (!tg__add_i64(bytes, (int64_t)n, &size)) {
        (void)tg__fail(tg, TG__E_TOO_LARGE, t->ndim, t->shape);
        return NULL;
    }
    m = tg_begin(tg);
    out = tg_empty(tg, 1, &size, TG_U8);
    if (out) memcpy(out->data, head, n);
    if (out && !tg__io_pack(t, (unsigned char *)out->data + n, (size_t)bytes, (int)tg_dtype_size(t->dtype)))
        out = NULL;
    return tg_end_with(tg, m, out);
}
TG_API bool (tg_npy_save)(tg_tensor *t, const char *path) {
    char head[TG__NPY_HEADER];
    const void *part[2];
    size_t size[2];
    int64_t bytes;
    tg_mark m;
    bool ok = true;
    tg_ctx *tg = tg__npy_start(t, "npy_save", &bytes);
    if (!tg) return false;
    if (!path) return tg__fail(tg, TG__E_NULL, 1);
    m = tg_begin(tg);
    part[0] = head; size[0] = tg__npy_put_header(t, head);
    size[1] = (size_t)bytes;
    if (bytes) ok = (part[1] = tg__io_packed(t, size[1], (int)tg_dtype_size(t->dtype))) != NULL;
    tg->where = "npy_save";
    ok = ok && tg__save_file(tg, path, part, size, bytes ? 2 : 1);
    tg_end(tg, m);
    return ok;
}

/* ======================================================================================
   >>impl-debug    tensors as text, as torch prints them; the tape as text and as a drawing
   ====================================================================================== */

#define TG__EDGE 3             /* a summary shows this many at each end */
#define TG__SUMMARY 1000       /* larger tensors are summarised */
#define TG__LINE 80

typedef struct tg__printer {
    tg__text *t;
    tg_tensor *x;
    int64_t edge;
    int width;
    bool ints, whole, sci;
} tg__printer;

TG__PRIVATE int tg__print_element(const tg__printer *p, const char *at, char *out) {      /* returns the length */
    double v;
    int n;
    if (p->x->dtype == TG_BOOL) {
        const char *s = *(const uint8_t *)at ? "True" : "False";
        n = (int)strlen(s);
        memcpy(out, s, (size_t)n + 1);
        return n;
    }
    if (p->ints) return tg__print_i64(out, tg__get_i64(at, p->x->dtype));
    v = tg__get_f64(at, p->x->dtype);
    if (!tg__is_finite(v)) {
        const char *s = tg__is_nan(v) ? "nan" : v < 0 ? "-inf" : "inf";
        n = (int)strlen(s);
        memcpy(out, s, (size_t)n + 1);
        return n;
    }
    if (p->sci) return tg__print_exp(out, 48, v, 4);
    n = tg__print_fixed(out, 40, v, p->whole ? 0 : 4);
    if (n < 0) return tg__print_exp(out, 48, v, 4);
    if (p->whole) { out[n++] = '.'; out[n] = 0; }
    return n;
}
/* Visits the elements that will be shown, outermost dimension first. */
TG__PRIVATE void tg__print_scan(tg__printer *p, int d, const char *at, double *low, double *high, int pass) {
    const tg_tensor *x = p->x;
    int64_t i, size = (int64_t)tg_dtype_size(x->dtype);
    if (d == x->ndim) {
        char b[64];
        if (p->ints) { int n = tg__print_element(p, at, b); if (n > p->width) p->width = n; return; }
        {
            double v = tg__get_f64(at, x->dtype), a = v < 0 ? -v : v;
            if (!tg__is_finite(v) || v == 0) return;
            if (pass == 0) {
                if (a < *low || *low < 0) *low = a;
                if (a > *high) *high = a;
                if (a < 9007199254740992.0 && a != (double)(int64_t)a) p->whole = false;
            } else { int n = tg__print_element(p, at, b); if (n > p->width) p->width = n; }
        }
        return;
    }
    for (i = 0; i < x->shape[d]; i++) {
        if (p->edge && x->shape[d] > 2 * p->edge && i == p->edge) i = x->shape[d] - p->edge;
        tg__print_scan(p, d + 1, at + i * x->stride[d] * size, low, high, pass);
    }
}
TG__PRIVATE void tg__put_spaces(tg__text *t, int n) { while (n-- > 0) tg__put_char(t, ' '); }
TG__PRIVATE void tg__print_level(tg__printer *p, int d, const char *at, int indent) {
    const tg_tensor *x = p->x;
    int64_t i, size = (int64_t)tg_dtype_size(x->dtype), shown = 0, per_line = (TG__LINE - indent) / (p->width + 2);
    bool cut = p->edge && d < x->ndim && x->shape[d] > 2 * p->edge;
    char b[64];
    int k;
    if (d == x->ndim) {
        int n = tg__print_element(p, at, b);
        tg__put_spaces(p->t, p->width - n);
        tg__put(p->t, b);
        return;
    }
    if (per_line < 1) per_line = 1;
    tg__put_char(p->t, '[');
    for (i = 0; i < x->shape[d]; i++) {
        bool dots = cut && i == p->edge;
        if (i > 0) {
            tg__put_char(p->t, ',');
            if (d == x->ndim - 1) {
                if (shown % per_line == 0) {
                    tg__put_char(p->t, '\n');
                    tg__put_spaces(p->t, indent + 1);
                } else tg__put_char(p->t, ' ');
            } else {
                for (k = 0; k < x->ndim - 1 - d; k++) tg__put_char(p->t, '\n');
                tg__put_spaces(p->t, indent + 1);
            }
        }
        if (dots) {
            tg__put(p->t, d == x->ndim - 1 ? " ..." : "...");
            i = x->shape[d] - p->edge - 1;
            shown++;
            continue;
        }
        tg__print_level(p, d + 1, at + i * x->stride[d] * size, indent + 1);
        shown++;
    }
    tg__put_char(p->t, ']');
}

/* t, or a copy on the host, or NULL where there is nothing to read */
TG__PRIVATE tg_tensor *tg__readable(tg_tensor *t) {
    if (!t || !t->alive || t->opaque) return NULL;
    return t->numel == 0 ? t : tg__on_host(t->tg, t);
}
TG__PRIVATE size_t tg__format_dead(tg_tensor *t, tg__text *x) {
    if (t && t->alive) tg__put_tensor(x, t);
    tg__put(x, !t ? "NULL" : !t->alive ? "tensor(its scope has ended)" : t->opaque == TG__SPARSE ? " row-sparse" : t->opaque == TG__LANES ? " inside tg_vmap" : t->opaque ? "" : " not readable by the host");
    if (t && t->alive && t->opaque == TG__SPARSE) { tg__put(x, ", rows "); tg__put_i64(x, t->inner->numel); }
    return x->length;
}

TG_API size_t (tg_format)(tg_tensor *t, char *out, size_t size) {
    tg__text x = tg__text_over(out, size);
    tg__printer p;
    double low = -1, high = 0;
    tg_tensor *v = tg__readable(t);
    if (!v) return tg__format_dead(t, &x);
    memset(&p, 0, sizeof p);
    p.t = &x; p.x = v; p.edge = t->numel > TG__SUMMARY ? TG__EDGE : 0;
    p.ints = !tg_dtype_is_float(t->dtype); p.whole = true;
    tg__put(&x, "tensor(");
    if (t->numel == 0) {
        tg__put(&x, "[]");
        if (t->ndim != 1) {
            int i;
            tg__put(&x, ", size=(");
            for (i = 0; i < t->ndim; i++) { if (i) tg__put(&x, ", "); tg__put_i64(&x, t->shape[i]); }
            tg__put_char(&x, ')');
        }
    } else {
        tg__print_scan(&p, 0, (const char *)v->data, &low, &high, 0);
        if (!p.ints && low > 0) p.sci = high / low > 1000 || high > 1e8 || (!p.whole && low < 1e-4);
        tg__print_scan(&p, 0, (const char *)v->data, &low, &high, 1);
        tg__print_level(&p, 0, (const char *)v->data, 7);
    }
    if (t->dtype != TG_F32 && (t->numel == 0 || (t->dtype != TG_I64 && t->dtype != TG_BOOL))) {
        tg__put(&x, ", dtype=");
        tg__put(&x, tg_dtype_name(t->dtype));
    }
    if (t->requires_grad) {
        if (tg__is_leaf(t)) tg__put(&x, ", requires_grad=True");
        else { tg__put(&x, ", grad_fn=<"); tg__put(&x, t->node->op->name); tg__put(&x, ">"); }
    }
    tg__put_char(&x, ')');
    return x.length;
}

/* Prints in one piece: the text is made in memory first, on failure the one-line form is cut to what the
   stack holds. */
TG__PRIVATE void tg__print_with(tg_tensor *t, size_t (*format)(tg_tensor *, char *, size_t)) {
    char few[512], *b;
    size_t n;
    tg_ctx *tg;
    if (!t) return;
    tg = t->tg;
    n = format(t, few, sizeof few - 1);
    if (n < sizeof few - 1) { few[n] = '\n'; few[n + 1] = 0; tg__log(tg, TG_LOG_PRINT, few); return; }
    b = tg__gate(tg) ? (char *)tg__mem_get(tg, n + 2) : NULL;
    if (!b) { few[sizeof few - 2] = '\n'; few[sizeof few - 1] = 0; tg__log(tg, TG_LOG_PRINT, few); return; }
    format(t, b, n + 1);
    b[n] = '\n'; b[n + 1] = 0;
    tg__log(tg, TG_LOG_PRINT, b);
    tg__mem_put(tg, b, n + 2);
}
TG_API void (tg_print)(tg_tensor *t) { tg__print_with(t, (tg_format)); }

TG_API size_t (tg_format_line)(tg_tensor *t, char *out, size_t size) {
    tg__text x = tg__text_over(out, size);
    int64_t i;
    tg_tensor *h = tg__readable(t);
    if (!h) return tg__format_dead(t, &x);
    tg__put_tensor(&x, t);
    if (t->requires_grad) tg__put(&x, " requires_grad");
    tg__put(&x, " [");
    for (i = 0; i < t->numel && i < 6; i++) {
        const char *p = tg__element_at(h, i);
        char b[48];
        if (i) tg__put(&x, ", ");
        if (!tg_dtype_is_float(t->dtype)) tg__put_i64(&x, tg__get_i64(p, t->dtype));
        else { tg__print_f32(b, (float)tg__get_f64(p, t->dtype)); tg__put(&x, b); }
    }
    tg__put(&x, t->numel > 6 ? ", ...]" : "]");
    return x.length;
}
TG__PRIVATE void tg__put_short(tg__text *t, double v) { char b[48]; tg__print_f32(b, (float)v); tg__put(t, b); }
TG_API size_t (tg_format_stats)(tg_tensor *t, char *out, size_t size) {
    tg__text x = tg__text_over(out, size);
    double sum = 0, square = 0, low = 0, high = 0, mean;
    int64_t i, nan = 0, inf = 0, n = 0, times;
    tg_tensor *h = tg__readable(t), once;
    if (!h) return tg__format_dead(t, &x);
    once = tg__distinct(h, NULL);
    times = once.numel ? t->numel / once.numel : 1;
    for (i = 0; i < once.numel; i++) {
        double v = tg__get_f64(tg__element_at(&once, i), t->dtype);
        if (tg__is_nan(v)) { nan++; continue; }
        if (!tg__is_finite(v)) { inf++; continue; }
        if (n == 0 || v < low) low = v;
        if (n == 0 || v > high) high = v;
        n++; sum += v; square += v * v;
    }
    n *= times; nan *= times; inf *= times;
    sum *= (double)times; square *= (double)times;
    mean = n ? sum / (double)n : 0;
    square = n > 1 ? (square - sum * mean) / (double)(n - 1) : 0;
    tg__put_tensor(&x, t);
    tg__put(&x, " mean "); tg__put_short(&x, mean);
    tg__put(&x, " std "); tg__put_short(&x, square > 0 ? tg__sqrt64(square) : 0);
    tg__put(&x, " in ["); tg__put_short(&x, low); tg__put(&x, ", "); tg__put_short(&x, high); tg__put(&x, "], ");
    tg__put_i64(&x, nan); tg__put(&x, " nan, "); tg__put_i64(&x, inf); tg__put(&x, " inf");
    return x.length;
}
TG_API void (tg_show)(tg_tensor *t) { tg__print_with(t, (tg_format_line)); tg__print_with(t, (tg_format_stats)); }

/* ---- the tape ---- */
/* The calls that t depends on, newest first; the walk's own list is used, so nothing is sorted twice. NULL:
   none, or out of memory. Free with tg__tape_done. */
TG__PRIVATE bool tg__tape_list(tg_tensor *t, tg__walk *w) {
    int i, j;
    bool ok;
    memset(w, 0, sizeof *w);
    w->tg = t->tg;
    ok = t->alive && t->node && t->tg->error == TG_OK && tg__walk_add(w, t->node);
    for (i = 0; ok && i < w->count; i++) {
        tg__node *n = w->order[i];
        if (n->op == &tg__leaf_op) continue;
        for (j = 0; ok && j < n->n_in; j++) if (n->in_slot[j].from) ok = tg__walk_add(w, n->in_slot[j].from);
    }
    return ok && tg__walk_sort(w);
}
TG__PRIVATE void tg__tape_done(tg__walk *w) {
    w->n_captures = 0;
    tg__walk_run(w, false);                                            /* gives the nodes back as they were */
}
TG_API int (tg_tape)(tg_tensor *t, tg_tape_entry *out, int room) {
    tg__walk w;
    int i, n = 0;
    if (!t || !t->alive) return 0;
    if (tg__tape_list(t, &w)) {
        for (i = 0; i < w.count; i++, n++) {
            tg_tape_entry *e;
            if (i >= room || !out) continue;
            e = &out[i];
            e->op = w.order[i]->op->name; e->file = w.order[i]->at.file;
            e->line = w.order[i]->at.line; e->number = w.order[i]->serial;
            e->n_in = w.order[i]->n_in; e->n_out = w.order[i]->n_out; e->node = w.order[i];
        }
    }
    tg__tape_done(&w);
    return n;
}
TG_API int tg_tape_input(const tg_tape_entry *e, int i, const int64_t **shape, uint64_t *from) {
    if (shape) *shape = NULL;
    if (from) *from = 0;
    if (!e || !e->node || i < 0 || i >= e->node->n_in) return -1;
    if (shape) *shape = e->node->in_slot[i].shape;
    if (from) *from = e->node->in_slot[i].from ? e->node->in_slot[i].from->serial : 0;
    return e->node->in_slot[i].ndim;
}
TG__PRIVATE void tg__put_slot(tg__text *x, const tg__slot *s) {
    tg__put(x, tg_dtype_name(s->dtype));
    tg__put_shape(x, s->ndim, s->shape);
}
TG__PRIVATE void tg__put_node(tg__text *x, const tg__node *n) {
    const tg_tensor *t = n->weak[0];
    const char *s;
    tg__put(x, n->op->name);
    tg__put_attrs(x, n->op, n->attr);
    if (!t || !t->name) return;
    tg__put(x, " '");
    /* the text also stands inside quotes in a drawing */
    for (s = t->name; *s; s++) {
        if (*s == '"' || *s == '\\') tg__put_char(x, '\\');
        tg__put_char(x, *s == '\n' ? ' ' : *s);
    }
    tg__put(x, "'");
}
TG_API size_t (tg_tape_text)(tg_tensor *t, char *out, size_t size) {
    tg__text x = tg__text_over(out, size);
    tg__walk w;
    int i, j;
    if (!t || !t->alive) return tg__format_dead(t, &x);
    if (tg__tape_list(t, &w)) for (i = 0; i < w.count; i++) {
        const tg__node *n = w.order[i];
        tg__put_char(&x, '#'); tg__put_i64(&x, (int64_t)n->serial); tg__put_char(&x, ' ');
        tg__put_node(&x, n); tg__put(&x, " -> "); tg__put_slot(&x, &n->out_slot[0]);
        if (n->n_in) tg__put(&x, "  from");
        for (j = 0; j < n->n_in; j++) {
            tg__put(&x, j ? ", " : " ");
            if (n->in_slot[j].from) {
                tg__put_char(&x, '#');
                tg__put_i64(&x, (int64_t)n->in_slot[j].from->serial);
            } else tg__put(&x, "a constant");
        }
        tg__put_place(&x, n->at.file, n->at.line);
        tg__put_char(&x, '\n');
    }
    tg__tape_done(&w);
    return x.length;
}
/* A box per call with its result, the value where it is small and still there, and the gradient where there
   is one. */
TG__PRIVATE void tg__put_value(tg__text *x, const char *label, tg_tensor *t) {
    int64_t i;
    if (!t || t->numel > 4 || !(t = tg__readable(t))) return;
    tg__put(x, "\\n"); tg__put(x, label);
    for (i = 0; i < t->numel; i++) {
        tg__put_char(x, ' ');
        tg__put_short(x, tg__get_f64(tg__element_at(t, i), t->dtype));
    }
}
TG_API size_t (tg_tape_dot)(tg_tensor *t, char *out, size_t size) {
    tg__text x = tg__text_over(out, size);
    tg__walk w;
    int i, j;
    if (!t || !t->alive) return tg__format_dead(t, &x);
    tg__put(&x, "digraph tape {\n  rankdir=BT; node [shape=box, fontname=monospace];\n");
    if (tg__tape_list(t, &w)) for (i = 0; i < w.count; i++) {
        const tg__node *n = w.order[i];
        bool leaf = n->op == &tg__leaf_op;
        tg__put(&x, "  n"); tg__put_i64(&x, (int64_t)n->serial); tg__put(&x, " [label=\"");
        tg__put_node(&x, n); tg__put(&x, "\\n"); tg__put_slot(&x, &n->out_slot[0]);
        tg__put_value(&x, "value", n->weak[0] ? n->weak[0] : n->out[0]);
        if (n->weak[0]) tg__put_value(&x, "grad", n->weak[0]->grad);
        tg__put(&x, leaf ? "\", style=filled, fillcolor=lightblue];\n" : "\"];\n");
        for (j = 0; j < n->n_in; j++) if (n->in_slot[j].from) {
            tg__put(&x, "  n"); tg__put_i64(&x, (int64_t)n->in_slot[j].from->serial);
            tg__put(&x, " -> n"); tg__put_i64(&x, (int64_t)n->serial); tg__put(&x, ";\n");
        }
    }
    tg__put(&x, "}\n");
    tg__tape_done(&w);
    return x.length;
}

#ifdef TG__LEVELS
#pragma GCC pop_options
#endif

/* ---- end of PART II: everything that was borrowed goes back ---- */
/* Words of the kernel chapter that no other chapter needs. */
#undef TG__ASM1
#undef TG__ASM2
#undef TG__ASM3
#undef TG__BARRIER
#undef TG__C_A1
#undef TG__C_A2
#undef TG__C_A3
#undef TG__C_ARGS
#undef TG__C_B1
#undef TG__C_B2
#undef TG__C_B3
#undef TG__C_D0
#undef TG__C_D1
#undef TG__C_D2
#undef TG__C_D3
#undef TG__C_EACH
#undef TG__C_F1
#undef TG__C_F2
#undef TG__C_F3
#undef TG__C_G1
#undef TG__C_G2
#undef TG__C_H1
#undef TG__C_H2
#undef TG__C_LANES
#undef TG__C_LV
#undef TG__C_MR
#undef TG__C_P
#undef TG__C_PICK
#undef TG__C_R1
#undef TG__C_R2
#undef TG__C_R3
#undef TG__C_R4
#undef TG__C_R6
#undef TG__C_R8
#undef TG__C_S1
#undef TG__C_S2
#undef TG__C_S3
#undef TG__C_TILE
#undef TG__C_WR
#undef TG__C_WROWS
#undef TG__C_WTILE
#undef TG__C_Z1
#undef TG__C_Z2
#undef TG__C_Z3
#undef TG__FAST_ARM
#undef TG__FAST_X86
#undef TG__GEMM_ADD
#undef TG__GEMM_DOT_BF16
#undef TG__GEMM_DOT_I16
#undef TG__GEMM_RUN
#undef TG__GEMM_SET
#undef TG__G_A0
#undef TG__G_A1
#undef TG__G_A10
#undef TG__G_A11
#undef TG__G_A12
#undef TG__G_A13
#undef TG__G_A2
#undef TG__G_A3
#undef TG__G_A4
#undef TG__G_A5
#undef TG__G_A6
#undef TG__G_A7
#undef TG__G_A8
#undef TG__G_A9
#undef TG__G_ARGS
#undef TG__G_B1
#undef TG__G_B2
#undef TG__G_B3
#undef TG__G_D0
#undef TG__G_D1
#undef TG__G_D2
#undef TG__G_D3
#undef TG__G_DOT_EACH
#undef TG__G_DV
#undef TG__G_EACH
#undef TG__G_F1
#undef TG__G_F2
#undef TG__G_F3
#undef TG__G_FETCH
#undef TG__G_FULL
#undef TG__G_H1
#undef TG__G_H2
#undef TG__G_H3
#undef TG__G_KINDS
#undef TG__G_LASTS
#undef TG__G_LOAD
#undef TG__G_MR
#undef TG__G_NR
#undef TG__G_NV
#undef TG__G_P2
#undef TG__G_P3
#undef TG__G_PICK
#undef TG__G_R1
#undef TG__G_R10
#undef TG__G_R12
#undef TG__G_R14
#undef TG__G_R2
#undef TG__G_R3
#undef TG__G_R4
#undef TG__G_R5
#undef TG__G_R6
#undef TG__G_R7
#undef TG__G_R8
#undef TG__G_RUN
#undef TG__G_S1
#undef TG__G_S2
#undef TG__G_S3
#undef TG__G_STEP
#undef TG__G_STORE
#undef TG__G_TILE
#undef TG__G_TK
#undef TG__UNROLL
#undef TG__G_WARGS
#undef TG__G_WBODY
#undef TG__G_WD
#undef TG__G_WF
#undef TG__G_WHOLE
#undef TG__G_WMR
#undef TG__G_WNR
#undef TG__G_WROWS
#undef TG__G_WROWS_
#undef TG__G_WROWS__
#undef TG__G_WS
#undef TG__G_WZ
#undef TG__G_Z1
#undef TG__G_Z2
#undef TG__G_Z3
#undef TG__PHILOX_K0
#undef TG__PHILOX_K1
#undef TG__PHILOX_M0
#undef TG__PHILOX_M1
#undef TG__SOFT_SQRT
#undef TG__UNROLL
#undef TG__WA1
#undef TG__WA2
#undef TG__WA3
#undef TG__WC1
#undef TG__WC2
#undef TG__WI2
#undef TG__WIC
#undef TG__WIN
#undef TG__WM2
#undef TG__WV1
#undef TG__WV2

#if defined(__GNUC__) || defined(__TINYC__) || defined(_MSC_VER)
#pragma pop_macro("NEG")
#pragma pop_macro("ABS")
#pragma pop_macro("SIGN")
#pragma pop_macro("SQRT")
#pragma pop_macro("RSQRT")
#pragma pop_macro("EXP")
#pragma pop_macro("EXP2")
#pragma pop_macro("EXPM1")
#pragma pop_macro("LOG")
#pragma pop_macro("LOG2")
#pragma pop_macro("LOG10")
#pragma pop_macro("LOG1P")
#pragma pop_macro("SIN")
#pragma pop_macro("COS")
#pragma pop_macro("TAN")
#pragma pop_macro("ASIN")
#pragma pop_macro("ACOS")
#pragma pop_macro("ATAN")
#pragma pop_macro("ATAN2")
#pragma pop_macro("SINH")
#pragma pop_macro("COSH")
#pragma pop_macro("TANH")
#pragma pop_macro("ASINH")
#pragma pop_macro("ACOSH")
#pragma pop_macro("ATANH")
#pragma pop_macro("ERF")
#pragma pop_macro("ERFC")
#pragma pop_macro("NDTR")
#pragma pop_macro("SIGMOID")
#pragma pop_macro("LOGSIGMOID")
#pragma pop_macro("SOFTPLUS")
#pragma pop_macro("FLOOR")
#pragma pop_macro("CEIL")
#pragma pop_macro("ROUND")
#pragma pop_macro("TRUNC")
#pragma pop_macro("FMOD")
#pragma pop_macro("REMAINDER")
#pragma pop_macro("FLOORDIV")
#pragma pop_macro("POW")
#pragma pop_macro("ADD")
#pragma pop_macro("SUB")
#pragma pop_macro("MUL")
#pragma pop_macro("DIV")
#pragma pop_macro("MAX")
#pragma pop_macro("MIN")
#pragma pop_macro("SELECT")
#pragma pop_macro("EQ")
#pragma pop_macro("NE")
#pragma pop_macro("LT")
#pragma pop_macro("LE")
#pragma pop_macro("GT")
#pragma pop_macro("GE")
#pragma pop_macro("AND")
#pragma pop_macro("OR")
#pragma pop_macro("XOR")
#pragma pop_macro("ISNAN")
#pragma pop_macro("ISINF")
#pragma pop_macro("ISFINITE")
#pragma pop_macro("ZERO")
#pragma pop_macro("ONE")
#pragma pop_macro("HALF")
#pragma pop_macro("K")
#pragma pop_macro("P0")
#pragma pop_macro("P1")
#pragma pop_macro("F1")
#pragma pop_macro("F1P")
#pragma pop_macro("F2")
#pragma pop_macro("F2P")
#pragma pop_macro("F3")
#pragma pop_macro("F3P")
#pragma pop_macro("GELU_TANH")
#pragma pop_macro("GELU_U")
#pragma pop_macro("GELU_DU")
#pragma pop_macro("NEED")
#pragma pop_macro("SAME")
#pragma pop_macro("NUMERIC")
#pragma pop_macro("COUNTING")
#pragma pop_macro("FLOATING")
#pragma pop_macro("PREDICATE")
#pragma pop_macro("CHOOSE")
#pragma pop_macro("FLOAT_ONLY")
#pragma pop_macro("NONE")
#pragma pop_macro("NEED3")
#endif
#ifdef __cplusplus
} /* extern "C" */
#endif

#if defined(__clang__)
#pragma float_control(pop)
#pragma clang diagnostic pop
#elif defined(__NVCC_DIAG_PRAGMA_SUPPORT__)
#pragma nv_diagnostic pop
#elif defined(__GNUC__) && !defined(__TINYC__) && !defined(__CUDACC__)
#pragma GCC pop_options
#endif

#ifndef TENSORGRAD_NO_LINES
#undef TG__AT
#undef TG__AT_CTX
#undef TG__AT_DICT
#undef TG__AT_CONST_DICT
#undef TG__PLACED
#define TG__AT(t) tg__at(t, __FILE__, __LINE__)
#define TG__AT_CTX(tg) tg__at_ctx(tg, __FILE__, __LINE__)
#define TG__AT_DICT(d) tg__at_dict(d, __FILE__, __LINE__)
#define TG__AT_CONST_DICT(d) tg__at_const_dict(d, __FILE__, __LINE__)
#define TG__PLACED(name, ...) tg__##name##_at(__FILE__, __LINE__, __VA_ARGS__)
#endif
#endif /* TENSORGRAD_IMPLEMENTATION */

#else /* defined(TG__PASS) */
/* ==========================================================================================================
   PART III: THE KERNELS. PART II reads this once per instruction set, with TG__PASS naming it and its target
   region open.
   Within a pass the file is read twice more, with TG__T float and double, for the chapters that are the same
   for both.
   ========================================================================================================== */
#if !defined(TG__T)
/* ======================================================================================
   >>pass-vector    the words of one instruction set, for float and for double
   Owns the types tg__vf32__<pass> (vector), tg__mf32__<pass> (mask), tg__vi32__<pass> (integers of the same width),
   the same with 64, and TG__VN_F32, TG__VN_F64. Knows no kernel. Lanes never look at each other.
   A word gives the same bits in strict, avx2, avx512 and neon; plain differs only in fma, fnma, which round twice.
   Passes are read from the least demanding instruction set upward: the helpers that are compiled once
   (TG__VECTOR_ONCE) then run wherever any later pass runs.
   Words beyond the table of the interface: scale(v,k) = v * 2^k rounded once, for integral k, |k| <= 2 * the
   exponent's range;
   pow2(k) = 2^k for a normal result; mullo(a,b,p) = a*b - p exactly, where p is mul(a,b) (no under- or overflow);
   table8(t,i) = t[i] of eight floats, for i in 0..7; iload(p) from memory (both f32 only).
   Tests: tests/test_maths.c
   ====================================================================================== */

/* clang keeps fusing, reassociating and assuming numbers under -Ofast, whatever its pragmas say, and its
   header's functions carry the flags they were included with: there every rounding that must happen is hidden
   behind an empty asm, and the words whose instruction must be exactly that one (fma, sqrt, minq, maxq) are
   asm. All other compilers and flags see nothing of this. */
#undef TG__BARRIER
#undef TG__ASM1
#undef TG__ASM2
#undef TG__ASM3
#undef TG__FAST_X86
#undef TG__FAST_ARM
#define TG__FAST_X86 0
#define TG__FAST_ARM 0
#if defined(__clang__) && defined(__FAST_MATH__) && defined(__x86_64__)
#undef TG__FAST_X86
#define TG__FAST_X86 1
#if defined(TG__PASS_AVX512)
#define TG__BARRIER(v) __asm__("" : "+v"(v))
#define TG__ASM1(text) TG__V v; __asm__(text " %1, %0" : "=v"(v) : "v"(a)); return v
#define TG__ASM2(text) TG__V v; __asm__(text " %2, %1, %0" : "=v"(v) : "v"(a), "v"(b)); return v
#define TG__ASM3(text) __asm__(text " %2, %1, %0" : "+v"(c) : "v"(a), "v"(b)); return c
#else
#define TG__BARRIER(v) __asm__("" : "+x"(v))
#define TG__ASM1(text) TG__V v; __asm__(text " %1, %0" : "=x"(v) : "x"(a)); return v
#define TG__ASM2(text) TG__V v; __asm__(text " %2, %1, %0" : "=x"(v) : "x"(a), "x"(b)); return v
#define TG__ASM3(text) __asm__(text " %2, %1, %0" : "+x"(c) : "x"(a), "x"(b)); return c
#endif
#elif defined(__clang__) && defined(__FAST_MATH__) && defined(__aarch64__)
#undef TG__FAST_ARM
#define TG__FAST_ARM 1
#define TG__BARRIER(v) __asm__("" : "+w"(v))
#else
#define TG__BARRIER(v) ((void)0)
#endif

/* A set below is a list of lines "word, value". a, b, c are the operands, m, o masks, i, j integer vectors, n
   a count. WA: arithmetic, each result rounded exactly there. */
#undef TG__WA1
#undef TG__WA2
#undef TG__WA3
#undef TG__WV1
#undef TG__WV2
#undef TG__WC2
#undef TG__WC1
#undef TG__WM2
#undef TG__WI2
#undef TG__WIN
#undef TG__WIC
#define TG__WA1(word, value) TG__INLINE TG__V TG__W(word)(TG__V a) { TG__V v = value; TG__BARRIER(v); return v; }
#define TG__WA2(word, value) TG__INLINE TG__V TG__W(word)(TG__V a, TG__V b) { TG__V v = value; TG__BARRIER(v); return v; }
#define TG__WA3(word, value) TG__INLINE TG__V TG__W(word)(TG__V a, TG__V b, TG__V c) { TG__V v = value; TG__BARRIER(v); return v; }
#define TG__WV1(word, value) TG__INLINE TG__V TG__W(word)(TG__V a) { return value; }
#define TG__WV2(word, value) TG__INLINE TG__V TG__W(word)(TG__V a, TG__V b) { return value; }
#define TG__WC2(word, value) TG__INLINE TG__M TG__W(word)(TG__V a, TG__V b) { return value; }
#define TG__WC1(word, value) TG__INLINE TG__M TG__W(word)(TG__V a) { return value; }
#define TG__WM2(word, value) TG__INLINE TG__M TG__W(word)(TG__M m, TG__M o) { return value; }
#define TG__WI2(word, value) TG__INLINE TG__VI TG__W(word)(TG__VI i, TG__VI j) { return value; }
#define TG__WIN(word, value) TG__INLINE TG__VI TG__W(word)(TG__VI i, int n) { return value; }
#define TG__WIC(word, value) TG__INLINE TG__M TG__W(word)(TG__VI i, TG__VI j) { return value; }

#ifndef TG__VECTOR_ONCE
#define TG__VECTOR_ONCE
/* Reading a number's bits through a union: every compiler we know defines it, in C++ too, and tcc does not call
   memcpy. */
typedef union tg__pun32 { float f; int32_t i; uint32_t u; } tg__pun32;
typedef union tg__pun64 { double f; int64_t i; uint64_t u; } tg__pun64;

TG__PRIVATE uint32_t tg__bits32(float v)     { tg__pun32 p; p.f = v; return p.u; }
TG__PRIVATE float    tg__float(uint32_t v)   { tg__pun32 p; p.u = v; return p.f; }
TG__PRIVATE uint64_t tg__bits64(double v)    { tg__pun64 p; p.f = v; return p.u; }
TG__PRIVATE double   tg__double(uint64_t v)  { tg__pun64 p; p.u = v; return p.f; }

/* Truncation by clearing the bits below the point; no magic numbers, so no compiler can undo it. Keeps the sign of
   zero. */
TG__PRIVATE float tg__trunc32(float x) {
    uint32_t u = tg__bits32(x);
    int e = (int)(u >> 23 & 255) - 127;
    if (e >= 23) return x;
    return tg__float(e < 0 ? u & 0x80000000u : u & ~(0x7fffffu >> e));
}
TG__PRIVATE double tg__trunc64(double x) {
    uint64_t u = tg__bits64(x);
    int e = (int)(u >> 52 & 2047) - 1023;
    if (e >= 52) return x;
    return tg__double(e < 0 ? u & 0x8000000000000000u : u & ~(0xfffffffffffffu >> e));
}
/* To nearest, halves to even: x - trunc(x) is exact, t * 0.5 is whole exactly when t is even. */
TG__PRIVATE float tg__round32(float x) {
    float t = tg__trunc32(x), d = x - t, h = t * 0.5f;
    if (d > 0.5f || (d == 0.5f && h != tg__trunc32(h))) return t + 1.0f;
    if (d < -0.5f || (d == -0.5f && h != tg__trunc32(h))) return t - 1.0f;
    return t;
}
TG__PRIVATE double tg__round64(double x) {
    double t = tg__trunc64(x), d = x - t, h = t * 0.5;
    if (d > 0.5 || (d == 0.5 && h != tg__trunc64(h))) return t + 1.0;
    if (d < -0.5 || (d == -0.5 && h != tg__trunc64(h))) return t - 1.0;
    return t;
}

/* IEEE half to float and back. Subnormal halves are whole multiples of 2^-24. */
TG__PRIVATE float tg__from_half(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16, e = h >> 10 & 31u, m = h & 1023u;
    if (e == 31) return tg__float(sign | 0x7f800000u | m << 13 | (m ? 0x400000u : 0u));
    if (e == 0) return tg__float(sign | tg__bits32((float)m * 5.9604644775390625e-8f));
    return tg__float(sign | (e + 112) << 23 | m << 13);
}
TG__PRIVATE uint16_t tg__to_half(float v) {
    uint32_t u = tg__bits32(v), sign = u >> 16 & 0x8000u, a = u & 0x7fffffffu;
    if (a > 0x7f800000u) return (uint16_t)(sign | 0x7e00u);
    if (a >= 0x477ff000u) return (uint16_t)(sign | 0x7c00u);                  /* 65520 and more round to infinity */
    /* below 2^-14: a multiple of 2^-24 */
    if (a < 0x38800000u) {
        uint32_t m = (a & 0x7fffffu) | 0x800000u, shift = 126u - (a >> 23), h, rest, half;
        if (shift > 24u) return (uint16_t)sign;
        h = m >> shift; rest = m & ((1u << shift) - 1u); half = 1u << (shift - 1u);
        return (uint16_t)(sign | (h + (rest > half || (rest == half && (h & 1u)) ? 1u : 0u)));
    }
    return (uint16_t)(sign | ((a + 0xfffu + (a >> 13 & 1u) - 0x38000000u) >> 13));
}
TG__PRIVATE uint16_t tg__to_bf16(float v) {
    uint32_t u = tg__bits32(v);
    /* rounding could turn a NaN into infinity */
    if ((u & 0x7fffffffu) > 0x7f800000u) return (uint16_t)(u >> 16 | 0x40u);
    return (uint16_t)((u + 0x7fffu + (u >> 16 & 1u)) >> 16);
}

/* sqrt is an instruction where the compiler can be asked for it (__builtin_sqrtf asks for libm at -O2),
   else digit by digit on integers, correctly rounded. */
#if TG__FAST_X86
TG__PRIVATE float  tg__sqrt32(float x)  { __asm__("sqrtss %0, %0" : "+x"(x)); return x; }
TG__PRIVATE double tg__sqrt64(double x) { __asm__("sqrtsd %0, %0" : "+x"(x)); return x; }
#elif defined(__x86_64__) && defined(__GNUC__) && !defined(__TINYC__)
TG__PRIVATE float  tg__sqrt32(float x)  { return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x))); }
TG__PRIVATE double tg__sqrt64(double x) { return _mm_cvtsd_f64(_mm_sqrt_sd(_mm_set_sd(x), _mm_set_sd(x))); }
#elif defined(TG__HAS_NEON) && TG__HAS_NEON
TG__PRIVATE float  tg__sqrt32(float x)  { return vget_lane_f32(vsqrt_f32(vdup_n_f32(x)), 0); }
TG__PRIVATE double tg__sqrt64(double x) { return vget_lane_f64(vsqrt_f64(vdup_n_f64(x)), 0); }
#elif defined(__wasm__)
TG__PRIVATE float  tg__sqrt32(float x)  { return __builtin_sqrtf(x); }
TG__PRIVATE double tg__sqrt64(double x) { return __builtin_sqrt(x); }
#else
/* Root of m * 4^k with m of 2*53 bits: one result bit per step, then the remainder says how to round. */
TG__PRIVATE double tg__sqrt64(double x) {
    uint64_t u = tg__bits64(x), m, r, q = 0, bit;
    int e = (int)(u >> 52 & 2047);
    if ((u & 0x7fffffffffffffffu) == 0 || u == 0x7ff0000000000000u ||
        (u & 0x7fffffffffffffffu) > 0x7ff0000000000000u) return x;
    if (u >> 63) return tg__double(0x7ff8000000000000u);
    m = u & 0xfffffffffffffu;
    if (e) m |= 0x10000000000000u;
    else for (e = 1; !(m >> 52); e--) m <<= 1;
    e -= 1023;
    /* value = m * 2^(e - 52), e even, m in [2^52, 2^54) */
    if (e & 1) { m <<= 1; e--; }
    /* (value - q^2) / bit, doubled along with each step */
    r = m << 1;
    for (bit = (uint64_t)1 << 53; bit; bit >>= 1) {
        uint64_t t = q + q + bit;                                    /* ((q + bit)^2 - q^2) / bit */
        if (t <= r) { r -= t; q += bit; }
        r <<= 1;
    }
    /* 54 bits; an exact half is impossible for a square root */
    q += q & 1;
    return tg__double((q >> 1) + ((uint64_t)(e / 2 + 1023 - 1) << 52));
}
/* A float's root rounded to 53 bits and then to 24 is the root rounded to 24 (53 >= 2*24 + 2). */
TG__PRIVATE float  tg__sqrt32(float x)  { return (float)tg__sqrt64((double)x); }
#endif

/* Exact a*b + c in software, for strict mode on machines without the instruction.
   float: the product is exact in double; the sum is rounded to odd, so that rounding it again to float is harmless
   (Boldo, Melquiond: Emulation of FMA, 2008). */
TG__PRIVATE float tg__fma32(float a, float b, float c) {
    double p = (double)a * (double)b, q = (double)c, s = p + q, t, err;
    uint64_t u = tg__bits64(s);
    if ((u & 0x7ff0000000000000u) == 0x7ff0000000000000u) return (float)s;
    t = s - p;
    err = (p - (s - t)) + (q - t);                                   /* s + err = p + q exactly (two-sum) */
    if (err != 0.0 && !(u & 1u)) u += (err > 0.0) == !(u >> 63) ? (uint64_t)1 : (uint64_t)0 - (uint64_t)1;
    return (float)tg__double(u);
}
/* double: both numbers as integers m * 2^e; the product has 106 bits in hi:lo, the addend is shifted beneath
   or above it, what falls off is kept as one sticky bit, and the sum is rounded once. */
TG__PRIVATE int tg__split64(uint64_t u, uint64_t *m) {
    int e = (int)(u >> 52 & 2047);
    *m = u & 0xfffffffffffffu;
    if (e) *m |= 0x10000000000000u; else e = 1;
    return e - 1075;
}
/* hi:lo moved right by n bits, sticky */
TG__PRIVATE void tg__shift128(uint64_t *hi, uint64_t *lo, int n) {
    uint64_t lost;
    if (n <= 0) return;
    if (n >= 128) { *lo = (*hi | *lo) != 0; *hi = 0; return; }
    if (n >= 64) { lost = *lo; *lo = *hi; *hi = 0; n -= 64; *lo |= lost != 0; }
    if (n == 0) return;
    lost = *lo << (64 - n);
    *lo = *lo >> n | *hi << (64 - n); *hi >>= n;
    *lo |= lost != 0;
}
TG__PRIVATE double tg__fma64(double a, double b, double c) {
    const uint64_t inf = 0x7ff0000000000000u, top = 0x8000000000000000u;
    uint64_t ua = tg__bits64(a), ub = tg__bits64(b), uc = tg__bits64(c), ma, mb, mc, hi, lo, chi, clo, t;
    uint64_t sp = (ua ^ ub) & top, sc = uc & top, sign, mid;
    int ea, eb, ec, ep, n;
    if ((ua & inf) == inf || (ub & inf) == inf) return a * b + c;
    if ((uc & inf) == inf) return c + c;
    /* a zero product: the sum is exact, its zero signed right */
    if (!(ua << 1) || !(ub << 1)) return a * b + c;
    ea = tg__split64(ua, &ma); eb = tg__split64(ub, &mb); ec = tg__split64(uc, &mc);
    while (!(ma >> 52)) { ma <<= 1; ea--; }
    while (!(mb >> 52)) { mb <<= 1; eb--; }
    ep = ea + eb;
    /* schoolbook 64 x 64; the middle sums stay below 2^54 */
    mid = (ma >> 32) * (mb & 0xffffffffu);
    t = (ma & 0xffffffffu) * (mb >> 32) + mid;
    lo = (ma & 0xffffffffu) * (mb & 0xffffffffu);
    hi = (ma >> 32) * (mb >> 32) + (t >> 32);
    t <<= 32; lo += t; hi += lo < t;
    /* the product's leading bit is now 124 or 125: room for a carry */
    hi = hi << 20 | lo >> 44; lo <<= 20; ep -= 20;
    chi = 0; clo = 0;
    if (mc) {                                                        /* the addend in the same units */
        while (!(mc >> 52)) { mc <<= 1; ec--; }
        chi = mc << 9; ec -= 73;                                     /* leading bit 125 */
        if (ec > ep) { tg__shift128(&hi, &lo, ec - ep); ep = ec; } else tg__shift128(&chi, &clo, ep - ec);
    }
    sign = sp;
    if (sp == sc) { lo += clo; hi += chi + (lo < clo); }
    else {
        if (hi < chi || (hi == chi && lo < clo)) {
            t = hi;
            hi = chi;
            chi = t;
            t = lo;
            lo = clo;
            clo = t;
            sign = sc;
        }
        hi -= chi + (lo < clo); lo -= clo;
    }
    /* x - x is +0; a zero product came back above */
    if (!(hi | lo)) return mc ? 0.0 : tg__double(sp);
    while (!(hi >> 63)) { hi = hi << 1 | lo >> 63; lo <<= 1; ep--; }
    n = ep + 127 + 1023;                                             /* biased exponent of the leading bit */
    if (n >= 2047) return tg__double(sign | inf);
    if (n <= 0) { tg__shift128(&hi, &lo, 1 - n); n = 0; }            /* subnormal: fewer bits before the rounding */
    t = hi >> 11; mid = hi & 2047u;
    if (mid > 1024u || (mid == 1024u && (lo || (t & 1u)))) t++;
    /* a carry runs into the exponent, up to infinity */
    return tg__double(sign | (n ? t + ((uint64_t)(n - 1) << 52) : t));
}
/* a*b - p for p = a*b rounded, where there is no fused instruction: Dekker's split into halves of 26 and 27 bits */
TG__PRIVATE double tg__mullo64(double a, double b, double p) {
    double ah = tg__double(tg__bits64(a) & ~(uint64_t)0x7ffffffu), al = a - ah;
    double bh = tg__double(tg__bits64(b) & ~(uint64_t)0x7ffffffu), bl = b - bh;
    return ((ah * bh - p) + ah * bl + al * bh) + al * bl;
}
#endif

#if defined(TG__PASS_PLAIN) || defined(TG__PASS_STRICT)
/* ---------------------------------------------------------------- plain C, a vector of one ---- */
#undef TG__VN_F32
#undef TG__VN_F64
#define TG__VN_F32 1
#define TG__VN_F64 1

/* ---- one float ---- */
#define TG__T float
#define TG__I int32_t
#define TG__V TG__FN(tg__vf32)
#define TG__M TG__FN(tg__mf32)
#define TG__VI TG__FN(tg__vi32)
#define TG__W(word) TG__FN(tg__w_##word##_f32)
typedef float TG__V;
typedef int TG__M;
typedef int32_t TG__VI;

TG__INLINE TG__V TG__W(load)(const TG__T *p)               { return *p; }
TG__INLINE void  TG__W(store)(TG__T *p, TG__V v)           { *p = v; }
TG__INLINE TG__V TG__W(loadn)(const TG__T *p, int64_t n)   { return n > 0 ? *p : 0; }
TG__INLINE void  TG__W(storen)(TG__T *p, TG__V v, int64_t n) { if (n > 0) *p = v; }
TG__INLINE TG__V TG__W(set)(TG__T s)                       { return s; }
TG__INLINE TG__VI TG__W(iset)(TG__I s)                     { return s; }
TG__INLINE TG__VI TG__W(iload)(const int32_t *p)                  { return *p; }
TG__WA2(add, a + b)
TG__WA2(sub, a - b)
TG__WA2(mul, a * b)
TG__WA2(div, a / b)
#if defined(TG__PASS_STRICT)
TG__WA3(fma, tg__fma32(a, b, c))
TG__WA3(fnma, tg__fma32(-a, b, c))
TG__WA3(mullo, tg__fma32(a, b, -c))
#else
TG__WA3(fma, TG__W(add)(TG__W(mul)(a, b), c))
TG__WA3(fnma, TG__W(sub)(c, TG__W(mul)(a, b)))
TG__WA3(mullo, (float)((double)a * (double)b - (double)c))
#endif
TG__WA1(sqrt, tg__sqrt32(a))
TG__WV1(neg, -a)
TG__WV1(abs, tg__float(tg__bits32(a) & 0x7fffffffu))
TG__WV2(copysign, tg__float((tg__bits32(a) & 0x7fffffffu) | (tg__bits32(b) & ~(uint32_t)0x7fffffffu)))
TG__WC1(isnan, (tg__bits32(a) & 0x7fffffffu) > 0x7f800000u)
TG__WC1(isinf, (tg__bits32(a) & 0x7fffffffu) == 0x7f800000u)
TG__WC1(isfinite, (tg__bits32(a) & 0x7fffffffu) < 0x7f800000u)
#if (TG__HAS_X86 + 0) && defined(__FAST_MATH__)
/* gcc and clang under -Ofast compile a scalar comparison as if there were no NaN, even where no-fast-math is
   asked for again (gcc drops -mieee-fp for the whole file): the vector comparison has its predicate in the
   instruction. */
TG__WC2(lt, _mm_movemask_ps(_mm_cmplt_ss(_mm_set_ss(a), _mm_set_ss(b))) & 1)
TG__WC2(le, _mm_movemask_ps(_mm_cmple_ss(_mm_set_ss(a), _mm_set_ss(b))) & 1)
TG__WC2(gt, _mm_movemask_ps(_mm_cmpgt_ss(_mm_set_ss(a), _mm_set_ss(b))) & 1)
TG__WC2(ge, _mm_movemask_ps(_mm_cmpge_ss(_mm_set_ss(a), _mm_set_ss(b))) & 1)
TG__WC2(eq, _mm_movemask_ps(_mm_cmpeq_ss(_mm_set_ss(a), _mm_set_ss(b))) & 1)
TG__WC2(ne, _mm_movemask_ps(_mm_cmpneq_ss(_mm_set_ss(a), _mm_set_ss(b))) & 1)
#else
TG__WC2(lt, a < b)
TG__WC2(le, a <= b)
TG__WC2(gt, a > b)
TG__WC2(ge, a >= b)
TG__WC2(eq, a == b)
TG__WC2(ne, !(a == b))
#endif
#if TG__FAST_X86
TG__INLINE TG__V TG__W(minq)(TG__V a, TG__V b) { __asm__("minss %1, %0" : "+x"(a) : "x"(b)); return a; }
TG__INLINE TG__V TG__W(maxq)(TG__V a, TG__V b) { __asm__("maxss %1, %0" : "+x"(a) : "x"(b)); return a; }
#else
TG__WV2(minq, TG__W(lt)(a, b) ? a : b)
TG__WV2(maxq, TG__W(gt)(a, b) ? a : b)
#endif
TG__WV2(minn, TG__W(isnan)(a) ? a : TG__W(minq)(a, b))
TG__WV2(maxn, TG__W(isnan)(a) ? a : TG__W(maxq)(a, b))
TG__WV1(trunc, tg__trunc32(a))
TG__WV1(round, tg__round32(a))
TG__INLINE TG__V TG__W(floor)(TG__V a) { TG__V t = tg__trunc32(a); return t > a ? t - 1 : t; }
TG__INLINE TG__V TG__W(ceil)(TG__V a)  { TG__V t = tg__trunc32(a); return t < a ? t + 1 : t; }
TG__WM2(mand, m & o)
TG__WM2(mor, m | o)
TG__WM2(mxor, m ^ o)
TG__INLINE TG__M TG__W(mnot)(TG__M m) { return !m; }
TG__INLINE int   TG__W(many)(TG__M m) { return m; }
TG__INLINE int   TG__W(mall)(TG__M m) { return m; }
TG__INLINE TG__V TG__W(select)(TG__M m, TG__V a, TG__V b) { return m ? a : b; }
TG__INLINE TG__VI TG__W(iselect)(TG__M m, TG__VI a, TG__VI b) { return m ? a : b; }
TG__INLINE TG__VI TG__W(bits)(TG__V v)     { tg__pun32 p; p.f = v; return p.i; }
TG__INLINE TG__V TG__W(frombits)(TG__VI i) { tg__pun32 p; p.i = i; return p.f; }
TG__INLINE TG__V TG__W(i2f)(TG__VI i)      { return (float)i; }
TG__WI2(iadd, (int32_t)((uint32_t)i + (uint32_t)j))
TG__WI2(isub, (int32_t)((uint32_t)i - (uint32_t)j))
TG__WI2(iand, i & j)
TG__WI2(ixor, i ^ j)
TG__WIN(ishl, (int32_t)((uint32_t)i << n))
TG__WIN(ishr, (int32_t)((uint32_t)i >> n))
TG__WIN(isar, i < 0 ? ~(~i >> n) : i >> n)
TG__WIC(ieq, i == j)
TG__WIC(igt, i > j)
TG__INLINE void  TG__W(storeb)(uint8_t *p, TG__M m)              { *p = (uint8_t)m; }
TG__INLINE TG__V TG__W(loadh)(const uint16_t *p)                 { return tg__from_half(*p); }
TG__INLINE TG__V TG__W(loadhn)(const uint16_t *p, int64_t n)     { return n > 0 ? tg__from_half(*p) : 0; }
TG__INLINE void  TG__W(storeh)(uint16_t *p, TG__V v)             { *p = tg__to_half(v); }
TG__INLINE void  TG__W(storehn)(uint16_t *p, TG__V v, int64_t n) { if (n > 0) *p = tg__to_half(v); }
TG__INLINE TG__V TG__W(loadbf)(const uint16_t *p)                { return tg__float((uint32_t)*p << 16); }
TG__INLINE TG__V TG__W(loadbfn)(const uint16_t *p, int64_t n)    {
    return n > 0 ? tg__float((uint32_t)*p << 16) : 0;
}
TG__INLINE void  TG__W(storebf)(uint16_t *p, TG__V v)            { *p = tg__to_bf16(v); }
TG__INLINE void  TG__W(storebfn)(uint16_t *p, TG__V v, int64_t n) { if (n > 0) *p = tg__to_bf16(v); }
/* 1.5 * 2^23 + 127: the sum's low bits are the biased exponent */
TG__INLINE TG__V TG__W(pow2)(TG__V k)
{ return TG__W(frombits)(TG__W(ishl)(TG__W(bits)(TG__W(add)(k, TG__W(set)(12583039.0f))), 23)); }
/* in two steps of half the exponent; only the second can round */
TG__INLINE TG__V TG__W(scale)(TG__V v, TG__V k) {
    TG__V h = TG__W(round)(TG__W(mul)(k, TG__W(set)(0.5f)));
    return TG__W(mul)(TG__W(mul)(v, TG__W(pow2)(h)), TG__W(pow2)(TG__W(sub)(k, h)));
}
TG__INLINE TG__V TG__W(table8)(const float *t, TG__VI i) { return t[i & 7]; }
TG__INLINE double TG__W(lo)(TG__V v)                 { return (double)v; }
TG__INLINE double TG__W(hi)(TG__V v)                 { (void)v; return 0; }
TG__INLINE TG__V TG__W(narrow)(double lo, double hi) { (void)hi; return (float)lo; }
#undef TG__T
#undef TG__I
#undef TG__V
#undef TG__M
#undef TG__VI
#undef TG__W

/* ---- one double ---- */
#define TG__T double
#define TG__I int64_t
#define TG__V TG__FN(tg__vf64)
#define TG__M TG__FN(tg__mf64)
#define TG__VI TG__FN(tg__vi64)
#define TG__W(word) TG__FN(tg__w_##word##_f64)
typedef double TG__V;
typedef int TG__M;
typedef int64_t TG__VI;

TG__INLINE TG__V TG__W(load)(const TG__T *p)               { return *p; }
TG__INLINE void  TG__W(store)(TG__T *p, TG__V v)           { *p = v; }
TG__INLINE TG__V TG__W(loadn)(const TG__T *p, int64_t n)   { return n > 0 ? *p : 0; }
TG__INLINE void  TG__W(storen)(TG__T *p, TG__V v, int64_t n) { if (n > 0) *p = v; }
TG__INLINE TG__V TG__W(set)(TG__T s)                       { return s; }
TG__INLINE TG__VI TG__W(iset)(TG__I s)                     { return s; }
TG__WA2(add, a + b)
TG__WA2(sub, a - b)
TG__WA2(mul, a * b)
TG__WA2(div, a / b)
#if defined(TG__PASS_STRICT)
TG__WA3(fma, tg__fma64(a, b, c))
TG__WA3(fnma, tg__fma64(-a, b, c))
TG__WA3(mullo, tg__fma64(a, b, -c))
#else
TG__WA3(fma, TG__W(add)(TG__W(mul)(a, b), c))
TG__WA3(fnma, TG__W(sub)(c, TG__W(mul)(a, b)))
TG__WA3(mullo, tg__mullo64(a, b, c))
#endif
TG__WA1(sqrt, tg__sqrt64(a))
TG__WV1(neg, -a)
TG__WV1(abs, tg__double(tg__bits64(a) & 0x7fffffffffffffffu))
TG__WV2(copysign, tg__double((tg__bits64(a) & 0x7fffffffffffffffu) |
    (tg__bits64(b) & ~(uint64_t)0x7fffffffffffffffu)))
TG__WC1(isnan, (tg__bits64(a) & 0x7fffffffffffffffu) > 0x7ff0000000000000u)
TG__WC1(isinf, (tg__bits64(a) & 0x7fffffffffffffffu) == 0x7ff0000000000000u)
TG__WC1(isfinite, (tg__bits64(a) & 0x7fffffffffffffffu) < 0x7ff0000000000000u)
#if (TG__HAS_X86 + 0) && defined(__FAST_MATH__)
/* gcc and clang under -Ofast compile a scalar comparison as if there were no NaN, even where no-fast-math is
   asked for again (gcc drops -mieee-fp for the whole file): the vector comparison has its predicate in the
   instruction. */
TG__WC2(lt, _mm_movemask_pd(_mm_cmplt_sd(_mm_set_sd(a), _mm_set_sd(b))) & 1)
TG__WC2(le, _mm_movemask_pd(_mm_cmple_sd(_mm_set_sd(a), _mm_set_sd(b))) & 1)
TG__WC2(gt, _mm_movemask_pd(_mm_cmpgt_sd(_mm_set_sd(a), _mm_set_sd(b))) & 1)
TG__WC2(ge, _mm_movemask_pd(_mm_cmpge_sd(_mm_set_sd(a), _mm_set_sd(b))) & 1)
TG__WC2(eq, _mm_movemask_pd(_mm_cmpeq_sd(_mm_set_sd(a), _mm_set_sd(b))) & 1)
TG__WC2(ne, _mm_movemask_pd(_mm_cmpneq_sd(_mm_set_sd(a), _mm_set_sd(b))) & 1)
#else
TG__WC2(lt, a < b)
TG__WC2(le, a <= b)
TG__WC2(gt, a > b)
TG__WC2(ge, a >= b)
TG__WC2(eq, a == b)
TG__WC2(ne, !(a == b))
#endif
#if TG__FAST_X86
TG__INLINE TG__V TG__W(minq)(TG__V a, TG__V b) { __asm__("minsd %1, %0" : "+x"(a) : "x"(b)); return a; }
TG__INLINE TG__V TG__W(maxq)(TG__V a, TG__V b) { __asm__("maxsd %1, %0" : "+x"(a) : "x"(b)); return a; }
#else
TG__WV2(minq, TG__W(lt)(a, b) ? a : b)
TG__WV2(maxq, TG__W(gt)(a, b) ? a : b)
#endif
TG__WV2(minn, TG__W(isnan)(a) ? a : TG__W(minq)(a, b))
TG__WV2(maxn, TG__W(isnan)(a) ? a : TG__W(maxq)(a, b))
TG__WV1(trunc, tg__trunc64(a))
TG__WV1(round, tg__round64(a))
TG__INLINE TG__V TG__W(floor)(TG__V a) { TG__V t = tg__trunc64(a); return t > a ? t - 1 : t; }
TG__INLINE TG__V TG__W(ceil)(TG__V a)  { TG__V t = tg__trunc64(a); return t < a ? t + 1 : t; }
TG__WM2(mand, m & o)
TG__WM2(mor, m | o)
TG__WM2(mxor, m ^ o)
TG__INLINE TG__M TG__W(mnot)(TG__M m) { return !m; }
TG__INLINE int   TG__W(many)(TG__M m) { return m; }
TG__INLINE int   TG__W(mall)(TG__M m) { return m; }
TG__INLINE TG__V TG__W(select)(TG__M m, TG__V a, TG__V b) { return m ? a : b; }
TG__INLINE TG__VI TG__W(iselect)(TG__M m, TG__VI a, TG__VI b) { return m ? a : b; }
TG__INLINE TG__VI TG__W(bits)(TG__V v)     { tg__pun64 p; p.f = v; return p.i; }
TG__INLINE TG__V TG__W(frombits)(TG__VI i) { tg__pun64 p; p.i = i; return p.f; }
TG__INLINE TG__V TG__W(i2f)(TG__VI i)      { return (double)i; }
TG__WI2(iadd, (int64_t)((uint64_t)i + (uint64_t)j))
TG__WI2(isub, (int64_t)((uint64_t)i - (uint64_t)j))
TG__WI2(iand, i & j)
TG__WI2(ixor, i ^ j)
TG__WIN(ishl, (int64_t)((uint64_t)i << n))
TG__WIN(ishr, (int64_t)((uint64_t)i >> n))
TG__WIN(isar, i < 0 ? ~(~i >> n) : i >> n)
TG__WIC(ieq, i == j)
TG__WIC(igt, i > j)
TG__INLINE void  TG__W(storeb)(uint8_t *p, TG__M m)              { *p = (uint8_t)m; }
TG__INLINE TG__V TG__W(pow2)(TG__V k)                            /* 1.5 * 2^52 + 1023 */
{ return TG__W(frombits)(TG__W(ishl)(TG__W(bits)(TG__W(add)(k, TG__W(set)(6755399441056767.0))), 52)); }
TG__INLINE TG__V TG__W(scale)(TG__V v, TG__V k) {
    TG__V h = TG__W(round)(TG__W(mul)(k, TG__W(set)(0.5)));
    return TG__W(mul)(TG__W(mul)(v, TG__W(pow2)(h)), TG__W(pow2)(TG__W(sub)(k, h)));
}
#undef TG__T
#undef TG__I
#undef TG__V
#undef TG__M
#undef TG__VI
#undef TG__W
#endif

#if defined(TG__PASS_AVX2)
/* ---------------------------------------------------------------- AVX2, FMA, F16C ---- */
#undef TG__VN_F32
#undef TG__VN_F64
#define TG__VN_F32 8
#define TG__VN_F64 4

/* ---- 8 floats ---- */
#define TG__T float
#define TG__I int32_t
#define TG__V TG__FN(tg__vf32)
#define TG__M TG__FN(tg__mf32)
#define TG__VI TG__FN(tg__vi32)
#define TG__W(word) TG__FN(tg__w_##word##_f32)
typedef __m256 TG__V;
typedef __m256i TG__VI;
typedef __m256i TG__M;

TG__INLINE TG__M TG__W(first)(int64_t n)
{ return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)); }
TG__INLINE TG__V TG__W(load)(const TG__T *p)                 { return _mm256_loadu_ps(p); }
TG__INLINE void  TG__W(store)(TG__T *p, TG__V v)             { _mm256_storeu_ps(p, v); }
TG__INLINE TG__V TG__W(loadn)(const TG__T *p, int64_t n)     { return _mm256_maskload_ps(p, TG__W(first)(n)); }
TG__INLINE void  TG__W(storen)(TG__T *p, TG__V v, int64_t n) { _mm256_maskstore_ps(p, TG__W(first)(n), v); }
TG__INLINE TG__V TG__W(set)(TG__T s)                         { return _mm256_set1_ps(s); }
TG__INLINE TG__VI TG__W(iset)(TG__I s)                       { return _mm256_set1_epi32(s); }
TG__INLINE TG__VI TG__W(iload)(const int32_t *p)                  {
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}
#if defined(__GNUC__)
TG__WA2(add, a + b)
TG__WA2(sub, a - b)
TG__WA2(mul, a * b)
TG__WA2(div, a / b)
#else
TG__WA2(add, _mm256_add_ps(a, b))
TG__WA2(sub, _mm256_sub_ps(a, b))
TG__WA2(mul, _mm256_mul_ps(a, b))
TG__WA2(div, _mm256_div_ps(a, b))
#endif
#if TG__FAST_X86
TG__INLINE TG__V TG__W(fma)(TG__V a, TG__V b, TG__V c)   { TG__ASM3("vfmadd231ps"); }
TG__INLINE TG__V TG__W(fnma)(TG__V a, TG__V b, TG__V c)  { TG__ASM3("vfnmadd231ps"); }
TG__INLINE TG__V TG__W(mullo)(TG__V a, TG__V b, TG__V c) { TG__ASM3("vfmsub231ps"); }
TG__INLINE TG__V TG__W(sqrt)(TG__V a)                    { TG__ASM1("vsqrtps"); }
TG__INLINE TG__V TG__W(minq)(TG__V a, TG__V b)           { TG__ASM2("vminps"); }
TG__INLINE TG__V TG__W(maxq)(TG__V a, TG__V b)           { TG__ASM2("vmaxps"); }
#else
TG__WA3(fma, _mm256_fmadd_ps(a, b, c))
TG__WA3(fnma, _mm256_fnmadd_ps(a, b, c))
TG__WA3(mullo, _mm256_fmsub_ps(a, b, c))
TG__WA1(sqrt, _mm256_sqrt_ps(a))
TG__WV2(minq, _mm256_min_ps(a, b))
TG__WV2(maxq, _mm256_max_ps(a, b))
#endif
TG__WV1(neg, _mm256_xor_ps(a, _mm256_set1_ps(-0.0f)))
TG__WV1(abs, _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a))
TG__WV2(copysign, _mm256_or_ps(_mm256_andnot_ps(_mm256_set1_ps(-0.0f), a), _mm256_and_ps(_mm256_set1_ps(-0.0f), b)))
TG__WC1(isnan, _mm256_cmpgt_epi32(_mm256_and_si256(_mm256_castps_si256(a), _mm256_set1_epi32(0x7fffffff)),
    _mm256_set1_epi32(0x7f800000)))
TG__WC1(isinf, _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_castps_si256(a), _mm256_set1_epi32(0x7fffffff)),
    _mm256_set1_epi32(0x7f800000)))
TG__WC1(isfinite, _mm256_cmpgt_epi32(_mm256_set1_epi32(0x7f800000), _mm256_and_si256(_mm256_castps_si256(a),
    _mm256_set1_epi32(0x7fffffff))))
TG__WC2(lt, _mm256_castps_si256(_mm256_cmp_ps(a, b, _CMP_LT_OQ)))
TG__WC2(le, _mm256_castps_si256(_mm256_cmp_ps(a, b, _CMP_LE_OQ)))
TG__WC2(gt, _mm256_castps_si256(_mm256_cmp_ps(a, b, _CMP_GT_OQ)))
TG__WC2(ge, _mm256_castps_si256(_mm256_cmp_ps(a, b, _CMP_GE_OQ)))
TG__WC2(eq, _mm256_castps_si256(_mm256_cmp_ps(a, b, _CMP_EQ_OQ)))
TG__WC2(ne, _mm256_castps_si256(_mm256_cmp_ps(a, b, _CMP_NEQ_UQ)))
TG__WM2(mand, _mm256_and_si256(m, o))
TG__WM2(mor, _mm256_or_si256(m, o))
TG__WM2(mxor, _mm256_xor_si256(m, o))
TG__INLINE TG__M TG__W(mnot)(TG__M m) { return _mm256_xor_si256(m, _mm256_set1_epi32(-1)); }
TG__INLINE int   TG__W(many)(TG__M m) { return _mm256_movemask_ps(_mm256_castsi256_ps(m)) != 0; }
TG__INLINE int   TG__W(mall)(TG__M m) { return _mm256_movemask_ps(_mm256_castsi256_ps(m)) == 0xff; }
TG__INLINE TG__V TG__W(select)(TG__M m, TG__V a, TG__V b) { return _mm256_blendv_ps(b, a, _mm256_castsi256_ps(m)); }
TG__INLINE TG__VI TG__W(iselect)(TG__M m, TG__VI a, TG__VI b) { return _mm256_blendv_epi8(b, a, m); }
TG__WV2(minn, TG__W(select)(TG__W(isnan)(a), a, TG__W(minq)(a, b)))
TG__WV2(maxn, TG__W(select)(TG__W(isnan)(a), a, TG__W(maxq)(a, b)))
TG__WV1(floor, _mm256_round_ps(a, 9))
TG__WV1(ceil, _mm256_round_ps(a, 10))
TG__WV1(round, _mm256_round_ps(a, 8))
TG__WV1(trunc, _mm256_round_ps(a, 11))
TG__INLINE TG__VI TG__W(bits)(TG__V v)     { return _mm256_castps_si256(v); }
TG__INLINE TG__V TG__W(frombits)(TG__VI i) { return _mm256_castsi256_ps(i); }
TG__WI2(iadd, _mm256_add_epi32(i, j))
TG__WI2(isub, _mm256_sub_epi32(i, j))
TG__WI2(iand, _mm256_and_si256(i, j))
TG__WI2(ixor, _mm256_xor_si256(i, j))
TG__WIN(ishl, _mm256_slli_epi32(i, n))
TG__WIN(ishr, _mm256_srli_epi32(i, n))
TG__WIC(ieq, _mm256_cmpeq_epi32(i, j))
TG__WIC(igt, _mm256_cmpgt_epi32(i, j))
TG__WIN(isar, _mm256_srai_epi32(i, n))
TG__INLINE TG__V TG__W(i2f)(TG__VI i)      { return _mm256_cvtepi32_ps(i); }
/* 1.5 * 2^23 + 127: the sum's low bits are the biased exponent */
TG__INLINE TG__V TG__W(pow2)(TG__V k)
{ return TG__W(frombits)(TG__W(ishl)(TG__W(bits)(TG__W(add)(k, TG__W(set)(12583039.0f))), 23)); }
/* in two steps of half the exponent; only the second can round */
TG__INLINE TG__V TG__W(scale)(TG__V v, TG__V k) {
    TG__V h = TG__W(round)(TG__W(mul)(k, TG__W(set)(0.5f)));
    return TG__W(mul)(TG__W(mul)(v, TG__W(pow2)(h)), TG__W(pow2)(TG__W(sub)(k, h)));
}
/* Parts of a vector of bytes or halves go through a small array: there are no masked loads for them. */
TG__INLINE __m128i TG__W(mbytes)(TG__M m) {                      /* 0/1 in 8 bytes */
    __m128i h = _mm_packs_epi32(_mm256_castsi256_si128(m), _mm256_extracti128_si256(m, 1));
    return _mm_and_si128(_mm_packs_epi16(h, h), _mm_set1_epi8(1));
}
TG__INLINE void  TG__W(storeb)(uint8_t *p, TG__M m)
{ _mm_storel_epi64((__m128i *)(void *)p, TG__W(mbytes)(m)); }
TG__INLINE __m128i TG__W(halves)(const uint16_t *p, int64_t n) {
    uint16_t t[8] = { 0, 0, 0, 0, 0, 0, 0, 0 }; int64_t i;
    for (i = 0; i < n; i++) t[i] = p[i];
    return _mm_loadu_si128((const __m128i *)(const void *)t);
}
TG__INLINE void  TG__W(puthalves)(uint16_t *p, __m128i h, int64_t n) {
    uint16_t t[8]; int64_t i;
    _mm_storeu_si128((__m128i *)(void *)t, h);
    for (i = 0; i < n; i++) p[i] = t[i];
}
TG__INLINE TG__V TG__W(loadh)(const uint16_t *p)
{ return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p)); }
TG__INLINE TG__V TG__W(loadhn)(const uint16_t *p, int64_t n)     { return _mm256_cvtph_ps(TG__W(halves)(p, n)); }
TG__INLINE void  TG__W(storeh)(uint16_t *p, TG__V v)
{ _mm_storeu_si128((__m128i *)(void *)p, _mm256_cvtps_ph(v, 0)); }
TG__INLINE void  TG__W(storehn)(uint16_t *p, TG__V v, int64_t n) { TG__W(puthalves)(p, _mm256_cvtps_ph(v, 0), n); }
TG__INLINE TG__V TG__W(widen)(__m128i h)
{ return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(h), 16)); }
/* to bfloat16; a NaN only loses bits, its quiet bit set */
TG__INLINE __m128i TG__W(cut)(TG__V v) {
    __m256i u = _mm256_castps_si256(v), odd = _mm256_and_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(1));
    __m256i r = _mm256_add_epi32(_mm256_add_epi32(u, _mm256_set1_epi32(0x7fff)), odd);
    r = _mm256_blendv_epi8(r, _mm256_or_si256(u, _mm256_set1_epi32(0x400000)), TG__W(isnan)(v));
    r = _mm256_srli_epi32(r, 16);
    return _mm_packus_epi32(_mm256_castsi256_si128(r), _mm256_extracti128_si256(r, 1));
}
TG__INLINE TG__V TG__W(loadbf)(const uint16_t *p)
{ return TG__W(widen)(_mm_loadu_si128((const __m128i *)(const void *)p)); }
TG__INLINE TG__V TG__W(loadbfn)(const uint16_t *p, int64_t n)    { return TG__W(widen)(TG__W(halves)(p, n)); }
TG__INLINE void  TG__W(storebf)(uint16_t *p, TG__V v)
{ _mm_storeu_si128((__m128i *)(void *)p, TG__W(cut)(v)); }
TG__INLINE void  TG__W(storebfn)(uint16_t *p, TG__V v, int64_t n) { TG__W(puthalves)(p, TG__W(cut)(v), n); }
TG__INLINE TG__V TG__W(table8)(const float *t, TG__VI i)
{ return _mm256_permutevar8x32_ps(_mm256_loadu_ps(t), i); }
TG__INLINE __m256d TG__W(lo)(TG__V v)                            {
    return _mm256_cvtps_pd(_mm256_castps256_ps128(v));
}
TG__INLINE __m256d TG__W(hi)(TG__V v)                            {
    return _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1));
}
TG__INLINE TG__V TG__W(narrow)(__m256d lo, __m256d hi)
{ return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm256_cvtpd_ps(lo)), _mm256_cvtpd_ps(hi), 1); }
#undef TG__T
#undef TG__I
#undef TG__V
#undef TG__M
#undef TG__VI
#undef TG__W

/* ---- 4 doubles ---- */
#define TG__T double
#define TG__I int64_t
#define TG__V TG__FN(tg__vf64)
#define TG__M TG__FN(tg__mf64)
#define TG__VI TG__FN(tg__vi64)
#define TG__W(word) TG__FN(tg__w_##word##_f64)
typedef __m256d TG__V;
typedef __m256i TG__VI;
typedef __m256i TG__M;

TG__INLINE TG__M TG__W(first)(int64_t n)
{ return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3)); }
TG__INLINE TG__V TG__W(load)(const TG__T *p)                 { return _mm256_loadu_pd(p); }
TG__INLINE void  TG__W(store)(TG__T *p, TG__V v)             { _mm256_storeu_pd(p, v); }
TG__INLINE TG__V TG__W(loadn)(const TG__T *p, int64_t n)     { return _mm256_maskload_pd(p, TG__W(first)(n)); }
TG__INLINE void  TG__W(storen)(TG__T *p, TG__V v, int64_t n) { _mm256_maskstore_pd(p, TG__W(first)(n), v); }
TG__INLINE TG__V TG__W(set)(TG__T s)                         { return _mm256_set1_pd(s); }
TG__INLINE TG__VI TG__W(iset)(TG__I s)                       { return _mm256_set1_epi64x(s); }
#if defined(__GNUC__)
TG__WA2(add, a + b)
TG__WA2(sub, a - b)
TG__WA2(mul, a * b)
TG__WA2(div, a / b)
#else
TG__WA2(add, _mm256_add_pd(a, b))
TG__WA2(sub, _mm256_sub_pd(a, b))
TG__WA2(mul, _mm256_mul_pd(a, b))
TG__WA2(div, _mm256_div_pd(a, b))
#endif
#if TG__FAST_X86
TG__INLINE TG__V TG__W(fma)(TG__V a, TG__V b, TG__V c)   { TG__ASM3("vfmadd231pd"); }
TG__INLINE TG__V TG__W(fnma)(TG__V a, TG__V b, TG__V c)  { TG__ASM3("vfnmadd231pd"); }
TG__INLINE TG__V TG__W(mullo)(TG__V a, TG__V b, TG__V c) { TG__ASM3("vfmsub231pd"); }
TG__INLINE TG__V TG__W(sqrt)(TG__V a)                    { TG__ASM1("vsqrtpd"); }
TG__INLINE TG__V TG__W(minq)(TG__V a, TG__V b)           { TG__ASM2("vminpd"); }
TG__INLINE TG__V TG__W(maxq)(TG__V a, TG__V b)           { TG__ASM2("vmaxpd"); }
#else
TG__WA3(fma, _mm256_fmadd_pd(a, b, c))
TG__WA3(fnma, _mm256_fnmadd_pd(a, b, c))
TG__WA3(mullo, _mm256_fmsub_pd(a, b, c))
TG__WA1(sqrt, _mm256_sqrt_pd(a))
TG__WV2(minq, _mm256_min_pd(a, b))
TG__WV2(maxq, _mm256_max_pd(a, b))
#endif
TG__WV1(neg, _mm256_xor_pd(a, _mm256_set1_pd(-0.0)))
TG__WV1(abs, _mm256_andnot_pd(_mm256_set1_pd(-0.0), a))
TG__WV2(copysign, _mm256_or_pd(_mm256_andnot_pd(_mm256_set1_pd(-0.0), a), _mm256_and_pd(_mm256_set1_pd(-0.0), b)))
TG__WC1(isnan, _mm256_cmpgt_epi64(_mm256_and_si256(_mm256_castpd_si256(a), _mm256_set1_epi64x(0x7fffffffffffffff)),
    _mm256_set1_epi64x(0x7ff0000000000000)))
TG__WC1(isinf, _mm256_cmpeq_epi64(_mm256_and_si256(_mm256_castpd_si256(a), _mm256_set1_epi64x(0x7fffffffffffffff)),
    _mm256_set1_epi64x(0x7ff0000000000000)))
TG__WC1(isfinite, _mm256_cmpgt_epi64(_mm256_set1_epi64x(0x7ff0000000000000),
    _mm256_and_si256(_mm256_castpd_si256(a), _mm256_set1_epi64x(0x7fffffffffffffff))))
TG__WC2(lt, _mm256_castpd_si256(_mm256_cmp_pd(a, b, _CMP_LT_OQ)))
TG__WC2(le, _mm256_castpd_si256(_mm256_cmp_pd(a, b, _CMP_LE_OQ)))
TG__WC2(gt, _mm256_castpd_si256(_mm256_cmp_pd(a, b, _CMP_GT_OQ)))
TG__WC2(ge, _mm256_castpd_si256(_mm256_cmp_pd(a, b, _CMP_GE_OQ)))
TG__WC2(eq, _mm256_castpd_si256(_mm256_cmp_pd(a, b, _CMP_EQ_OQ)))
TG__WC2(ne, _mm256_castpd_si256(_mm256_cmp_pd(a, b, _CMP_NEQ_UQ)))
TG__WM2(mand, _mm256_and_si256(m, o))
TG__WM2(mor, _mm256_or_si256(m, o))
TG__WM2(mxor, _mm256_xor_si256(m, o))
TG__INLINE TG__M TG__W(mnot)(TG__M m) { return _mm256_xor_si256(m, _mm256_set1_epi32(-1)); }
TG__INLINE int   TG__W(many)(TG__M m) { return _mm256_movemask_pd(_mm256_castsi256_pd(m)) != 0; }
TG__INLINE int   TG__W(mall)(TG__M m) { return _mm256_movemask_pd(_mm256_castsi256_pd(m)) == 0xf; }
TG__INLINE TG__V TG__W(select)(TG__M m, TG__V a, TG__V b) { return _mm256_blendv_pd(b, a, _mm256_castsi256_pd(m)); }
TG__INLINE TG__VI TG__W(iselect)(TG__M m, TG__VI a, TG__VI b) { return _mm256_blendv_epi8(b, a, m); }
TG__WV2(minn, TG__W(select)(TG__W(isnan)(a), a, TG__W(minq)(a, b)))
TG__WV2(maxn, TG__W(select)(TG__W(isnan)(a), a, TG__W(maxq)(a, b)))
TG__WV1(floor, _mm256_round_pd(a, 9))
TG__WV1(ceil, _mm256_round_pd(a, 10))
TG__WV1(round, _mm256_round_pd(a, 8))
TG__WV1(trunc, _mm256_round_pd(a, 11))
TG__INLINE TG__VI TG__W(bits)(TG__V v)     { return _mm256_castpd_si256(v); }
TG__INLINE TG__V TG__W(frombits)(TG__VI i) { return _mm256_castsi256_pd(i); }
TG__WI2(iadd, _mm256_add_epi64(i, j))
TG__WI2(isub, _mm256_sub_epi64(i, j))
TG__WI2(iand, _mm256_and_si256(i, j))
TG__WI2(ixor, _mm256_xor_si256(i, j))
TG__WIN(ishl, _mm256_slli_epi64(i, n))
TG__WIN(ishr, _mm256_srli_epi64(i, n))
TG__WIC(ieq, _mm256_cmpeq_epi64(i, j))
TG__WIC(igt, _mm256_cmpgt_epi64(i, j))
/* no such instruction: add 2^63, shift as unsigned, take it off again */
TG__INLINE TG__VI TG__W(isar)(TG__VI i, int n) {
    TG__VI top = _mm256_set1_epi64x((int64_t)1 << 62);
    top = _mm256_add_epi64(top, top);
    return _mm256_sub_epi64(_mm256_srli_epi64(_mm256_xor_si256(i, top), n), _mm256_srli_epi64(top, n));
}
/* AVX2 has no 64-bit conversions: adding 1.5 * 2^52 leaves the whole number in the low bits. For |v| < 2^51
   only. */
TG__INLINE TG__V TG__W(i2f)(TG__VI i) {
    TG__V magic = _mm256_set1_pd(6755399441055744.0);
    return TG__W(sub)(_mm256_castsi256_pd(_mm256_add_epi64(i, _mm256_castpd_si256(magic))), magic);
}
TG__INLINE TG__V TG__W(pow2)(TG__V k)                            /* 1.5 * 2^52 + 1023 */
{ return TG__W(frombits)(TG__W(ishl)(TG__W(bits)(TG__W(add)(k, TG__W(set)(6755399441056767.0))), 52)); }
TG__INLINE TG__V TG__W(scale)(TG__V v, TG__V k) {
    TG__V h = TG__W(round)(TG__W(mul)(k, TG__W(set)(0.5)));
    return TG__W(mul)(TG__W(mul)(v, TG__W(pow2)(h)), TG__W(pow2)(TG__W(sub)(k, h)));
}
TG__INLINE void  TG__W(storeb)(uint8_t *p, TG__M m) {
    int bit = _mm256_movemask_pd(_mm256_castsi256_pd(m)), i;
    for (i = 0; i < 4; i++) p[i] = (uint8_t)(bit >> i & 1);
}
#undef TG__T
#undef TG__I
#undef TG__V
#undef TG__M
#undef TG__VI
#undef TG__W
#endif

#if defined(TG__PASS_AVX512)
/* ---------------------------------------------------------------- AVX-512 F, DQ, BW, VL ---- */
#undef TG__VN_F32
#undef TG__VN_F64
#define TG__VN_F32 16
#define TG__VN_F64 8
#if defined(__GNUC__) && !defined(__clang__)
/* gcc -O0, g++: about its own header, which passes a mask of 65535 as a short and starts from registers it
   never sets. To the end of the pass, because it looks where the function that is inlined was called. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

/* ---- 16 floats ---- */
#define TG__T float
#define TG__I int32_t
#define TG__V TG__FN(tg__vf32)
#define TG__M TG__FN(tg__mf32)
#define TG__VI TG__FN(tg__vi32)
#define TG__W(word) TG__FN(tg__w_##word##_f32)
typedef __m512 TG__V;
typedef __m512i TG__VI;
typedef __mmask16 TG__M;

TG__INLINE TG__M TG__W(first)(int64_t n)                     { return (TG__M)((1u << n) - 1u); }
TG__INLINE TG__V TG__W(load)(const TG__T *p)                 { return _mm512_loadu_ps(p); }
TG__INLINE void  TG__W(store)(TG__T *p, TG__V v)             { _mm512_storeu_ps(p, v); }
TG__INLINE TG__V TG__W(loadn)(const TG__T *p, int64_t n)     { return _mm512_maskz_loadu_ps(TG__W(first)(n), p); }
TG__INLINE void  TG__W(storen)(TG__T *p, TG__V v, int64_t n) { _mm512_mask_storeu_ps(p, TG__W(first)(n), v); }
TG__INLINE TG__V TG__W(set)(TG__T s)                         { return _mm512_set1_ps(s); }
TG__INLINE TG__VI TG__W(iset)(TG__I s)                       { return _mm512_set1_epi32(s); }
TG__INLINE TG__VI TG__W(iload)(const int32_t *p)                  { return _mm512_loadu_si512(p); }
#if defined(__GNUC__)
TG__WA2(add, a + b)
TG__WA2(sub, a - b)
TG__WA2(mul, a * b)
TG__WA2(div, a / b)
#else
TG__WA2(add, _mm512_add_ps(a, b))
TG__WA2(sub, _mm512_sub_ps(a, b))
TG__WA2(mul, _mm512_mul_ps(a, b))
TG__WA2(div, _mm512_div_ps(a, b))
#endif
#if TG__FAST_X86
TG__INLINE TG__V TG__W(fma)(TG__V a, TG__V b, TG__V c)   { TG__ASM3("vfmadd231ps"); }
TG__INLINE TG__V TG__W(fnma)(TG__V a, TG__V b, TG__V c)  { TG__ASM3("vfnmadd231ps"); }
TG__INLINE TG__V TG__W(mullo)(TG__V a, TG__V b, TG__V c) { TG__ASM3("vfmsub231ps"); }
TG__INLINE TG__V TG__W(sqrt)(TG__V a)                    { TG__ASM1("vsqrtps"); }
TG__INLINE TG__V TG__W(minq)(TG__V a, TG__V b)           { TG__ASM2("vminps"); }
TG__INLINE TG__V TG__W(maxq)(TG__V a, TG__V b)           { TG__ASM2("vmaxps"); }
#else
TG__WA3(fma, _mm512_fmadd_ps(a, b, c))
TG__WA3(fnma, _mm512_fnmadd_ps(a, b, c))
TG__WA3(mullo, _mm512_fmsub_ps(a, b, c))
TG__WA1(sqrt, _mm512_sqrt_ps(a))
TG__WV2(minq, _mm512_min_ps(a, b))
TG__WV2(maxq, _mm512_max_ps(a, b))
#endif
TG__WV1(neg, _mm512_xor_ps(a, _mm512_set1_ps(-0.0f)))
TG__WV1(abs, _mm512_andnot_ps(_mm512_set1_ps(-0.0f), a))
/* sign mask ? b : a */
TG__WV2(copysign, _mm512_castsi512_ps(_mm512_ternarylogic_epi32(_mm512_castps_si512(_mm512_set1_ps(-0.0f)),
    _mm512_castps_si512(a), _mm512_castps_si512(b), 0xac)))
TG__WC1(isnan, _mm512_fpclass_ps_mask(a, 0x81))
TG__WC1(isinf, _mm512_fpclass_ps_mask(a, 0x18))
TG__WC1(isfinite, (TG__M)~_mm512_fpclass_ps_mask(a, 0x99))
TG__WC2(lt, _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ))
TG__WC2(le, _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ))
TG__WC2(gt, _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ))
TG__WC2(ge, _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ))
TG__WC2(eq, _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ))
TG__WC2(ne, _mm512_cmp_ps_mask(a, b, _CMP_NEQ_UQ))
TG__WM2(mand, (TG__M)(m & o))
TG__WM2(mor, (TG__M)(m | o))
TG__WM2(mxor, (TG__M)(m ^ o))
TG__INLINE TG__M TG__W(mnot)(TG__M m) { return (TG__M)~m; }
TG__INLINE int   TG__W(many)(TG__M m) { return m != 0; }
TG__INLINE int   TG__W(mall)(TG__M m) { return m == 0xffff; }
TG__INLINE TG__V TG__W(select)(TG__M m, TG__V a, TG__V b) { return _mm512_mask_blend_ps(m, b, a); }
TG__INLINE TG__VI TG__W(iselect)(TG__M m, TG__VI a, TG__VI b) { return _mm512_mask_blend_epi32(m, b, a); }
TG__WV2(minn, TG__W(select)(TG__W(isnan)(a), a, TG__W(minq)(a, b)))
TG__WV2(maxn, TG__W(select)(TG__W(isnan)(a), a, TG__W(maxq)(a, b)))
TG__WV1(floor, _mm512_roundscale_ps(a, 9))
TG__WV1(ceil, _mm512_roundscale_ps(a, 10))
TG__WV1(round, _mm512_roundscale_ps(a, 8))
TG__WV1(trunc, _mm512_roundscale_ps(a, 11))
TG__INLINE TG__VI TG__W(bits)(TG__V v)     { return _mm512_castps_si512(v); }
TG__INLINE TG__V TG__W(frombits)(TG__VI i) { return _mm512_castsi512_ps(i); }
TG__WI2(iadd, _mm512_add_epi32(i, j))
TG__WI2(isub, _mm512_sub_epi32(i, j))
TG__WI2(iand, _mm512_and_si512(i, j))
TG__WI2(ixor, _mm512_xor_si512(i, j))
TG__WIN(ishl, _mm512_slli_epi32(i, (unsigned)n))
TG__WIN(ishr, _mm512_srli_epi32(i, (unsigned)n))
TG__WIN(isar, _mm512_srai_epi32(i, (unsigned)n))
TG__WIC(ieq, _mm512_cmpeq_epi32_mask(i, j))
TG__WIC(igt, _mm512_cmpgt_epi32_mask(i, j))
TG__INLINE TG__V TG__W(i2f)(TG__VI i)      { return _mm512_cvtepi32_ps(i); }
TG__INLINE TG__V TG__W(scale)(TG__V v, TG__V k) { return _mm512_scalef_ps(v, k); }
/* 1.5 * 2^23 + 127: the sum's low bits are the biased exponent */
TG__INLINE TG__V TG__W(pow2)(TG__V k)
{ return TG__W(frombits)(TG__W(ishl)(TG__W(bits)(TG__W(add)(k, TG__W(set)(12583039.0f))), 23)); }
TG__INLINE void  TG__W(storeb)(uint8_t *p, TG__M m)
{ _mm_storeu_si128((__m128i *)(void *)p, _mm_maskz_set1_epi8(m, 1)); }
TG__INLINE TG__V TG__W(loadh)(const uint16_t *p)
{ return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p)); }
TG__INLINE TG__V TG__W(loadhn)(const uint16_t *p, int64_t n)
{ return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(TG__W(first)(n), p)); }
TG__INLINE void  TG__W(storeh)(uint16_t *p, TG__V v)
{ _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtps_ph(v, 0)); }
TG__INLINE void  TG__W(storehn)(uint16_t *p, TG__V v, int64_t n)
{ _mm256_mask_storeu_epi16(p, TG__W(first)(n), _mm512_cvtps_ph(v, 0)); }
TG__INLINE TG__V TG__W(widen)(__m256i h)
{ return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(h), 16)); }
/* to bfloat16; a NaN only loses bits, its quiet bit set */
TG__INLINE __m256i TG__W(cut)(TG__V v) {
    __m512i u = _mm512_castps_si512(v), odd = _mm512_and_si512(_mm512_srli_epi32(u, 16), _mm512_set1_epi32(1));
    __m512i r = _mm512_add_epi32(_mm512_add_epi32(u, _mm512_set1_epi32(0x7fff)), odd);
    r = _mm512_mask_or_epi32(r, TG__W(isnan)(v), u, _mm512_set1_epi32(0x400000));
    return _mm512_cvtepi32_epi16(_mm512_srli_epi32(r, 16));
}
TG__INLINE TG__V TG__W(loadbf)(const uint16_t *p)
{ return TG__W(widen)(_mm256_loadu_si256((const __m256i *)(const void *)p)); }
TG__INLINE TG__V TG__W(loadbfn)(const uint16_t *p, int64_t n)
{ return TG__W(widen)(_mm256_maskz_loadu_epi16(TG__W(first)(n), p)); }
TG__INLINE void  TG__W(storebf)(uint16_t *p, TG__V v)
{ _mm256_storeu_si256((__m256i *)(void *)p, TG__W(cut)(v)); }
TG__INLINE void  TG__W(storebfn)(uint16_t *p, TG__V v, int64_t n)
{ _mm256_mask_storeu_epi16(p, TG__W(first)(n), TG__W(cut)(v)); }
TG__INLINE TG__V TG__W(table8)(const float *t, TG__VI i)
{ return _mm512_permutexvar_ps(i, _mm512_broadcast_f32x8(_mm256_loadu_ps(t))); }
TG__INLINE __m512d TG__W(lo)(TG__V v)                            {
    return _mm512_cvtps_pd(_mm512_castps512_ps256(v));
}
TG__INLINE __m512d TG__W(hi)(TG__V v)                            {
    return _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1));
}
TG__INLINE TG__V TG__W(narrow)(__m512d lo, __m512d hi)
{ return _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(lo)), _mm512_cvtpd_ps(hi), 1); }
#undef TG__T
#undef TG__I
#undef TG__V
#undef TG__M
#undef TG__VI
#undef TG__W

/* ---- 8 doubles ---- */
#define TG__T double
#define TG__I int64_t
#define TG__V TG__FN(tg__vf64)
#define TG__M TG__FN(tg__mf64)
#define TG__VI TG__FN(tg__vi64)
#define TG__W(word) TG__FN(tg__w_##word##_f64)
typedef __m512d TG__V;
typedef __m512i TG__VI;
typedef __mmask8 TG__M;

TG__INLINE TG__M TG__W(first)(int64_t n)                     { return (TG__M)((1u << n) - 1u); }
TG__INLINE TG__V TG__W(load)(const TG__T *p)                 { return _mm512_loadu_pd(p); }
TG__INLINE void  TG__W(store)(TG__T *p, TG__V v)             { _mm512_storeu_pd(p, v); }
TG__INLINE TG__V TG__W(loadn)(const TG__T *p, int64_t n)     { return _mm512_maskz_loadu_pd(TG__W(first)(n), p); }
TG__INLINE void  TG__W(storen)(TG__T *p, TG__V v, int64_t n) { _mm512_mask_storeu_pd(p, TG__W(first)(n), v); }
TG__INLINE TG__V TG__W(set)(TG__T s)                         { return _mm512_set1_pd(s); }
TG__INLINE TG__VI TG__W(iset)(TG__I s)                       { return _mm512_set1_epi64(s); }
#if defined(__GNUC__)
TG__WA2(add, a + b)
TG__WA2(sub, a - b)
TG__WA2(mul, a * b)
TG__WA2(div, a / b)
#else
TG__WA2(add, _mm512_add_pd(a, b))
TG__WA2(sub, _mm512_sub_pd(a, b))
TG__WA2(mul, _mm512_mul_pd(a, b))
TG__WA2(div, _mm512_div_pd(a, b))
#endif
#if TG__FAST_X86
TG__INLINE TG__V TG__W(fma)(TG__V a, TG__V b, TG__V c)   { TG__ASM3("vfmadd231pd"); }
TG__INLINE TG__V TG__W(fnma)(TG__V a, TG__V b, TG__V c)  { TG__ASM3("vfnmadd231pd"); }
TG__INLINE TG__V TG__W(mullo)(TG__V a, TG__V b, TG__V c) { TG__ASM3("vfmsub231pd"); }
TG__INLINE TG__V TG__W(sqrt)(TG__V a)                    { TG__ASM1("vsqrtpd"); }
TG__INLINE TG__V TG__W(minq)(TG__V a, TG__V b)           { TG__ASM2("vminpd"); }
TG__INLINE TG__V TG__W(maxq)(TG__V a, TG__V b)           { TG__ASM2("vmaxpd"); }
#else
TG__WA3(fma, _mm512_fmadd_pd(a, b, c))
TG__WA3(fnma, _mm512_fnmadd_pd(a, b, c))
TG__WA3(mullo, _mm512_fmsub_pd(a, b, c))
TG__WA1(sqrt, _mm512_sqrt_pd(a))
TG__WV2(minq, _mm512_min_pd(a, b))
TG__WV2(maxq, _mm512_max_pd(a, b))
#endif
TG__WV1(neg, _mm512_xor_pd(a, _mm512_set1_pd(-0.0)))
TG__WV1(abs, _mm512_andnot_pd(_mm512_set1_pd(-0.0), a))
/* sign mask ? b : a */
TG__WV2(copysign, _mm512_castsi512_pd(_mm512_ternarylogic_epi64(_mm512_castpd_si512(_mm512_set1_pd(-0.0)),
    _mm512_castpd_si512(a), _mm512_castpd_si512(b), 0xac)))
TG__WC1(isnan, _mm512_fpclass_pd_mask(a, 0x81))
TG__WC1(isinf, _mm512_fpclass_pd_mask(a, 0x18))
TG__WC1(isfinite, (TG__M)~_mm512_fpclass_pd_mask(a, 0x99))
TG__WC2(lt, _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ))
TG__WC2(le, _mm512_cmp_pd_mask(a, b, _CMP_LE_OQ))
TG__WC2(gt, _mm512_cmp_pd_mask(a, b, _CMP_GT_OQ))
TG__WC2(ge, _mm512_cmp_pd_mask(a, b, _CMP_GE_OQ))
TG__WC2(eq, _mm512_cmp_pd_mask(a, b, _CMP_EQ_OQ))
TG__WC2(ne, _mm512_cmp_pd_mask(a, b, _CMP_NEQ_UQ))
TG__WM2(mand, (TG__M)(m & o))
TG__WM2(mor, (TG__M)(m | o))
TG__WM2(mxor, (TG__M)(m ^ o))
TG__INLINE TG__M TG__W(mnot)(TG__M m) { return (TG__M)~m; }
TG__INLINE int   TG__W(many)(TG__M m) { return m != 0; }
TG__INLINE int   TG__W(mall)(TG__M m) { return m == 0xff; }
TG__INLINE TG__V TG__W(select)(TG__M m, TG__V a, TG__V b) { return _mm512_mask_blend_pd(m, b, a); }
TG__INLINE TG__VI TG__W(iselect)(TG__M m, TG__VI a, TG__VI b) { return _mm512_mask_blend_epi64(m, b, a); }
TG__WV2(minn, TG__W(select)(TG__W(isnan)(a), a, TG__W(minq)(a, b)))
TG__WV2(maxn, TG__W(select)(TG__W(isnan)(a), a, TG__W(maxq)(a, b)))
TG__WV1(floor, _mm512_roundscale_pd(a, 9))
TG__WV1(ceil, _mm512_roundscale_pd(a, 10))
TG__WV1(round, _mm512_roundscale_pd(a, 8))
TG__WV1(trunc, _mm512_roundscale_pd(a, 11))
TG__INLINE TG__VI TG__W(bits)(TG__V v)     { return _mm512_castpd_si512(v); }
TG__INLINE TG__V TG__W(frombits)(TG__VI i) { return _mm512_castsi512_pd(i); }
TG__WI2(iadd, _mm512_add_epi64(i, j))
TG__WI2(isub, _mm512_sub_epi64(i, j))
TG__WI2(iand, _mm512_and_si512(i, j))
TG__WI2(ixor, _mm512_xor_si512(i, j))
TG__WIN(ishl, _mm512_slli_epi64(i, (unsigned)n))
TG__WIN(ishr, _mm512_srli_epi64(i, (unsigned)n))
TG__WIN(isar, _mm512_srai_epi64(i, (unsigned)n))
TG__WIC(ieq, _mm512_cmpeq_epi64_mask(i, j))
TG__WIC(igt, _mm512_cmpgt_epi64_mask(i, j))
TG__INLINE TG__V TG__W(i2f)(TG__VI i)      { return _mm512_cvtepi64_pd(i); }
TG__INLINE TG__V TG__W(scale)(TG__V v, TG__V k) { return _mm512_scalef_pd(v, k); }
TG__INLINE TG__V TG__W(pow2)(TG__V k)                            /* 1.5 * 2^52 + 1023 */
{ return TG__W(frombits)(TG__W(ishl)(TG__W(bits)(TG__W(add)(k, TG__W(set)(6755399441056767.0))), 52)); }
TG__INLINE void  TG__W(storeb)(uint8_t *p, TG__M m)
{ _mm_storel_epi64((__m128i *)(void *)p, _mm_maskz_set1_epi8(m, 1)); }
#undef TG__T
#undef TG__I
#undef TG__V
#undef TG__M
#undef TG__VI
#undef TG__W
#endif

#if defined(TG__PASS_NEON)
/* ---------------------------------------------------------------- NEON, aarch64 ---- */
#undef TG__VN_F32
#undef TG__VN_F64
#define TG__VN_F32 4
#define TG__VN_F64 2

/* ---- 4 floats ---- */
#define TG__T float
#define TG__I int32_t
#define TG__V TG__FN(tg__vf32)
#define TG__M TG__FN(tg__mf32)
#define TG__VI TG__FN(tg__vi32)
#define TG__W(word) TG__FN(tg__w_##word##_f32)
typedef float32x4_t TG__V;
typedef int32x4_t TG__VI;
typedef uint32x4_t TG__M;

TG__INLINE TG__V TG__W(load)(const TG__T *p)                 { return vld1q_f32(p); }
TG__INLINE void  TG__W(store)(TG__T *p, TG__V v)             { vst1q_f32(p, v); }
TG__INLINE TG__V TG__W(loadn)(const TG__T *p, int64_t n) {
    TG__T t[4] = { 0, 0, 0, 0 }; int64_t i;
    for (i = 0; i < n; i++) t[i] = p[i];
    return vld1q_f32(t);
}
TG__INLINE void  TG__W(storen)(TG__T *p, TG__V v, int64_t n) {
    TG__T t[4]; int64_t i;
    vst1q_f32(t, v);
    for (i = 0; i < n; i++) p[i] = t[i];
}
TG__INLINE TG__V TG__W(set)(TG__T s)                         { return vdupq_n_f32(s); }
TG__INLINE TG__VI TG__W(iset)(TG__I s)                       { return vdupq_n_s32(s); }
TG__INLINE TG__VI TG__W(iload)(const int32_t *p)                    { return vld1q_s32(p); }
TG__WA2(add, a + b)
TG__WA2(sub, a - b)
TG__WA2(mul, a * b)
TG__WA2(div, a / b)
TG__WA3(fma, vfmaq_f32(c, a, b))
TG__WA3(fnma, vfmsq_f32(c, a, b))
TG__WA3(mullo, vfmaq_f32(vnegq_f32(c), a, b))
TG__WA1(sqrt, vsqrtq_f32(a))
TG__WV1(neg, vnegq_f32(a))
TG__WV1(abs, vabsq_f32(a))
TG__WV2(copysign, vbslq_f32(vdupq_n_u32(0x7fffffffu), a, b))
TG__WC1(isnan, vcgtq_u32(vandq_u32(vreinterpretq_u32_f32(a), vdupq_n_u32(0x7fffffffu)), vdupq_n_u32(0x7f800000u)))
TG__WC1(isinf, vceqq_u32(vandq_u32(vreinterpretq_u32_f32(a), vdupq_n_u32(0x7fffffffu)), vdupq_n_u32(0x7f800000u)))
TG__WC1(isfinite, vcltq_u32(vandq_u32(vreinterpretq_u32_f32(a), vdupq_n_u32(0x7fffffffu)),
    vdupq_n_u32(0x7f800000u)))
TG__WC2(lt, vcltq_f32(a, b))
TG__WC2(le, vcleq_f32(a, b))
TG__WC2(gt, vcgtq_f32(a, b))
TG__WC2(ge, vcgeq_f32(a, b))
TG__WC2(eq, vceqq_f32(a, b))
TG__WM2(mand, vandq_u32(m, o))
TG__WM2(mor, vorrq_u32(m, o))
TG__WM2(mxor, veorq_u32(m, o))
TG__INLINE TG__M TG__W(mnot)(TG__M m) { return vmvnq_u32(m); }
TG__WC2(ne, TG__W(mnot)(TG__W(eq)(a, b)))
TG__INLINE int   TG__W(many)(TG__M m) { return vmaxvq_u32(m) != 0; }
TG__INLINE int   TG__W(mall)(TG__M m) { return vminvq_u32(m) != 0; }
TG__INLINE TG__V TG__W(select)(TG__M m, TG__V a, TG__V b) { return vbslq_f32(m, a, b); }
TG__INLINE TG__VI TG__W(iselect)(TG__M m, TG__VI a, TG__VI b) { return vbslq_s32(m, a, b); }
/* fmin differs on zeros and NaN; the bits follow x86 */
TG__WV2(minq, vbslq_f32(vcltq_f32(a, b), a, b))
TG__WV2(maxq, vbslq_f32(vcgtq_f32(a, b), a, b))
TG__WV2(minn, TG__W(select)(TG__W(isnan)(a), a, TG__W(minq)(a, b)))
TG__WV2(maxn, TG__W(select)(TG__W(isnan)(a), a, TG__W(maxq)(a, b)))
TG__WV1(floor, vrndmq_f32(a))
TG__WV1(ceil, vrndpq_f32(a))
TG__WV1(round, vrndnq_f32(a))
TG__WV1(trunc, vrndq_f32(a))
TG__INLINE TG__VI TG__W(bits)(TG__V v)     { return vreinterpretq_s32_f32(v); }
TG__INLINE TG__V TG__W(frombits)(TG__VI i) { return vreinterpretq_f32_s32(i); }
TG__INLINE TG__V TG__W(i2f)(TG__VI i)      { return vcvtq_f32_s32(i); }
TG__WI2(iadd, vaddq_s32(i, j))
TG__WI2(isub, vsubq_s32(i, j))
TG__WI2(iand, vandq_s32(i, j))
TG__WI2(ixor, veorq_s32(i, j))
TG__WIN(ishl, vshlq_s32(i, vdupq_n_s32(n)))
TG__WIN(ishr, vreinterpretq_s32_u32(vshlq_u32(vreinterpretq_u32_s32(i), vdupq_n_s32(-n))))
TG__WIN(isar, vshlq_s32(i, vdupq_n_s32(-n)))
TG__WIC(ieq, vceqq_s32(i, j))
TG__WIC(igt, vcgtq_s32(i, j))
/* 1.5 * 2^23 + 127: the sum's low bits are the biased exponent */
TG__INLINE TG__V TG__W(pow2)(TG__V k)
{ return TG__W(frombits)(TG__W(ishl)(TG__W(bits)(TG__W(add)(k, TG__W(set)(12583039.0f))), 23)); }
/* in two steps of half the exponent; only the second can round */
TG__INLINE TG__V TG__W(scale)(TG__V v, TG__V k) {
    TG__V h = TG__W(round)(TG__W(mul)(k, TG__W(set)(0.5f)));
    return TG__W(mul)(TG__W(mul)(v, TG__W(pow2)(h)), TG__W(pow2)(TG__W(sub)(k, h)));
}
TG__INLINE uint16x4_t TG__W(halves)(const uint16_t *p, int64_t n) {
    uint16_t t[4] = { 0, 0, 0, 0 }; int64_t i;
    for (i = 0; i < n; i++) t[i] = p[i];
    return vld1_u16(t);
}
TG__INLINE void  TG__W(puthalves)(uint16_t *p, uint16x4_t h, int64_t n) {
    uint16_t t[4]; int64_t i;
    vst1_u16(t, h);
    for (i = 0; i < n; i++) p[i] = t[i];
}
TG__INLINE void  TG__W(storeb)(uint8_t *p, TG__M m) {
    uint16_t t[4]; int i;
    vst1_u16(t, vmovn_u32(m));
    for (i = 0; i < 4; i++) p[i] = (uint8_t)(t[i] & 1);
}
TG__INLINE TG__V TG__W(loadh)(const uint16_t *p)
{ return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))); }
TG__INLINE TG__V TG__W(loadhn)(const uint16_t *p, int64_t n)
{ return vcvt_f32_f16(vreinterpret_f16_u16(TG__W(halves)(p, n))); }
TG__INLINE void  TG__W(storeh)(uint16_t *p, TG__V v)             {
    vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32(v)));
}
TG__INLINE void  TG__W(storehn)(uint16_t *p, TG__V v, int64_t n)
{ TG__W(puthalves)(p, vreinterpret_u16_f16(vcvt_f16_f32(v)), n); }
TG__INLINE TG__V TG__W(widen)(uint16x4_t h)                      {
    return vreinterpretq_f32_u32(vshll_n_u16(h, 16));
}
/* to bfloat16; a NaN only loses bits, its quiet bit set */
TG__INLINE uint16x4_t TG__W(cut)(TG__V v) {
    uint32x4_t u = vreinterpretq_u32_f32(v), odd = vandq_u32(vshrq_n_u32(u, 16), vdupq_n_u32(1));
    uint32x4_t r = vaddq_u32(vaddq_u32(u, vdupq_n_u32(0x7fff)), odd);
    return vshrn_n_u32(vbslq_u32(TG__W(isnan)(v), vorrq_u32(u, vdupq_n_u32(0x400000)), r), 16);
}
TG__INLINE TG__V TG__W(loadbf)(const uint16_t *p)                { return TG__W(widen)(vld1_u16(p)); }
TG__INLINE TG__V TG__W(loadbfn)(const uint16_t *p, int64_t n)    { return TG__W(widen)(TG__W(halves)(p, n)); }
TG__INLINE void  TG__W(storebf)(uint16_t *p, TG__V v)            { vst1_u16(p, TG__W(cut)(v)); }
TG__INLINE void  TG__W(storebfn)(uint16_t *p, TG__V v, int64_t n) { TG__W(puthalves)(p, TG__W(cut)(v), n); }
TG__INLINE TG__V TG__W(table8)(const float *t, TG__VI i) {
    TG__V v = vdupq_n_f32(t[vgetq_lane_s32(i, 0) & 7]);
    v = vsetq_lane_f32(t[vgetq_lane_s32(i, 1) & 7], v, 1);
    v = vsetq_lane_f32(t[vgetq_lane_s32(i, 2) & 7], v, 2);
    return vsetq_lane_f32(t[vgetq_lane_s32(i, 3) & 7], v, 3);
}
TG__INLINE float64x2_t TG__W(lo)(TG__V v)                        { return vcvt_f64_f32(vget_low_f32(v)); }
TG__INLINE float64x2_t TG__W(hi)(TG__V v)                        { return vcvt_high_f64_f32(v); }
TG__INLINE TG__V TG__W(narrow)(float64x2_t lo, float64x2_t hi)   { return vcvt_high_f32_f64(vcvt_f32_f64(lo), hi); }
#undef TG__T
#undef TG__I
#undef TG__V
#undef TG__M
#undef TG__VI
#undef TG__W

/* ---- 2 doubles ---- */
#define TG__T double
#define TG__I int64_t
#define TG__V TG__FN(tg__vf64)
#define TG__M TG__FN(tg__mf64)
#define TG__VI TG__FN(tg__vi64)
#define TG__W(word) TG__FN(tg__w_##word##_f64)
typedef float64x2_t TG__V;
typedef int64x2_t TG__VI;
typedef uint64x2_t TG__M;

TG__INLINE TG__V TG__W(load)(const TG__T *p)                 { return vld1q_f64(p); }
TG__INLINE void  TG__W(store)(TG__T *p, TG__V v)             { vst1q_f64(p, v); }
TG__INLINE TG__V TG__W(loadn)(const TG__T *p, int64_t n) {
    TG__T t[2] = { 0, 0 }; int64_t i;
    for (i = 0; i < n; i++) t[i] = p[i];
    return vld1q_f64(t);
}
TG__INLINE void  TG__W(storen)(TG__T *p, TG__V v, int64_t n) {
    TG__T t[2]; int64_t i;
    vst1q_f64(t, v);
    for (i = 0; i < n; i++) p[i] = t[i];
}
TG__INLINE TG__V TG__W(set)(TG__T s)                         { return vdupq_n_f64(s); }
TG__INLINE TG__VI TG__W(iset)(TG__I s)                       { return vdupq_n_s64(s); }
TG__WA2(add, a + b)
TG__WA2(sub, a - b)
TG__WA2(mul, a * b)
TG__WA2(div, a / b)
TG__WA3(fma, vfmaq_f64(c, a, b))
TG__WA3(fnma, vfmsq_f64(c, a, b))
TG__WA3(mullo, vfmaq_f64(vnegq_f64(c), a, b))
TG__WA1(sqrt, vsqrtq_f64(a))
TG__WV1(neg, vnegq_f64(a))
TG__WV1(abs, vabsq_f64(a))
TG__WV2(copysign, vbslq_f64(vdupq_n_u64(0x7fffffffffffffffu), a, b))
TG__WC1(isnan, vcgtq_u64(vandq_u64(vreinterpretq_u64_f64(a), vdupq_n_u64(0x7fffffffffffffffu)),
    vdupq_n_u64(0x7ff0000000000000u)))
TG__WC1(isinf, vceqq_u64(vandq_u64(vreinterpretq_u64_f64(a), vdupq_n_u64(0x7fffffffffffffffu)),
    vdupq_n_u64(0x7ff0000000000000u)))
TG__WC1(isfinite, vcltq_u64(vandq_u64(vreinterpretq_u64_f64(a), vdupq_n_u64(0x7fffffffffffffffu)),
    vdupq_n_u64(0x7ff0000000000000u)))
TG__WC2(lt, vcltq_f64(a, b))
TG__WC2(le, vcleq_f64(a, b))
TG__WC2(gt, vcgtq_f64(a, b))
TG__WC2(ge, vcgeq_f64(a, b))
TG__WC2(eq, vceqq_f64(a, b))
TG__WM2(mand, vandq_u64(m, o))
TG__WM2(mor, vorrq_u64(m, o))
TG__WM2(mxor, veorq_u64(m, o))
TG__INLINE TG__M TG__W(mnot)(TG__M m) { return vreinterpretq_u64_u32(vmvnq_u32(vreinterpretq_u32_u64(m))); }
TG__WC2(ne, TG__W(mnot)(TG__W(eq)(a, b)))
TG__INLINE int   TG__W(many)(TG__M m) { return vmaxvq_u32(vreinterpretq_u32_u64(m)) != 0; }
TG__INLINE int   TG__W(mall)(TG__M m) { return vminvq_u32(vreinterpretq_u32_u64(m)) != 0; }
TG__INLINE TG__V TG__W(select)(TG__M m, TG__V a, TG__V b) { return vbslq_f64(m, a, b); }
TG__INLINE TG__VI TG__W(iselect)(TG__M m, TG__VI a, TG__VI b) { return vbslq_s64(m, a, b); }
/* fmin differs on zeros and NaN; the bits follow x86 */
TG__WV2(minq, vbslq_f64(vcltq_f64(a, b), a, b))
TG__WV2(maxq, vbslq_f64(vcgtq_f64(a, b), a, b))
TG__WV2(minn, TG__W(select)(TG__W(isnan)(a), a, TG__W(minq)(a, b)))
TG__WV2(maxn, TG__W(select)(TG__W(isnan)(a), a, TG__W(maxq)(a, b)))
TG__WV1(floor, vrndmq_f64(a))
TG__WV1(ceil, vrndpq_f64(a))
TG__WV1(round, vrndnq_f64(a))
TG__WV1(trunc, vrndq_f64(a))
TG__INLINE TG__VI TG__W(bits)(TG__V v)     { return vreinterpretq_s64_f64(v); }
TG__INLINE TG__V TG__W(frombits)(TG__VI i) { return vreinterpretq_f64_s64(i); }
TG__INLINE TG__V TG__W(i2f)(TG__VI i)      { return vcvtq_f64_s64(i); }
TG__WI2(iadd, vaddq_s64(i, j))
TG__WI2(isub, vsubq_s64(i, j))
TG__WI2(iand, vandq_s64(i, j))
TG__WI2(ixor, veorq_s64(i, j))
TG__WIN(ishl, vshlq_s64(i, vdupq_n_s64(n)))
TG__WIN(ishr, vreinterpretq_s64_u64(vshlq_u64(vreinterpretq_u64_s64(i), vdupq_n_s64(-n))))
TG__WIN(isar, vshlq_s64(i, vdupq_n_s64(-n)))
TG__WIC(ieq, vceqq_s64(i, j))
TG__WIC(igt, vcgtq_s64(i, j))
TG__INLINE TG__V TG__W(pow2)(TG__V k)                            /* 1.5 * 2^52 + 1023 */
{ return TG__W(frombits)(TG__W(ishl)(TG__W(bits)(TG__W(add)(k, TG__W(set)(6755399441056767.0))), 52)); }
TG__INLINE TG__V TG__W(scale)(TG__V v, TG__V k) {
    TG__V h = TG__W(round)(TG__W(mul)(k, TG__W(set)(0.5)));
    return TG__W(mul)(TG__W(mul)(v, TG__W(pow2)(h)), TG__W(pow2)(TG__W(sub)(k, h)));
}
TG__INLINE void  TG__W(storeb)(uint8_t *p, TG__M m)
{ p[0] = (uint8_t)(vgetq_lane_u64(m, 0) & 1); p[1] = (uint8_t)(vgetq_lane_u64(m, 1) & 1); }
#undef TG__T
#undef TG__I
#undef TG__V
#undef TG__M
#undef TG__VI
#undef TG__W
#endif
/* ======================================================================================
   >>pass-maths    exp, log, sin, tanh, erf, pow and their relatives in vector words, for double and for float
   Owns no state; knows no kernel. No libm, no lookup in vectors, no approximate reciprocal: every pass with a fused
   multiply-add performs the same operations and gives the same bits.
   Hot functions of float are float arithmetic; the others run through double and round once.
   "minimax" in a comment: coefficients by the Remez exchange in 200 bits, rounded, relative error of the whole
   stated.
   Tests: tests/test_maths.c, which measures every bound given here.
   ====================================================================================== */
#define TG__ADD(a, b)     TG__W(add)(a, b)
#define TG__SUB(a, b)     TG__W(sub)(a, b)
#define TG__MUL(a, b)     TG__W(mul)(a, b)
#define TG__DIV(a, b)     TG__W(div)(a, b)
#define TG__FMA(a, b, c)  TG__W(fma)(a, b, c)                    /*  a * b + c */
#define TG__FNMA(a, b, c) TG__W(fnma)(a, b, c)                   /* -a * b + c */
#define TG__SEL(m, a, b)  TG__W(select)(m, a, b)
#define TG__K(s)          TG__W(set)(s)
#define TG__H2(x, a, b)                    TG__FMA(TG__K(a), x, TG__K(b))       /* Horner: a x + b; the highest power comes first */
#define TG__H3(x, a, b, c)                 TG__FMA(TG__H2(x, a, b), x, TG__K(c))
#define TG__H4(x, a, b, c, d)              TG__FMA(TG__H3(x, a, b, c), x, TG__K(d))
#define TG__H5(x, a, b, c, d, e)           TG__FMA(TG__H4(x, a, b, c, d), x, TG__K(e))
#define TG__H6(x, a, b, c, d, e, f)        TG__FMA(TG__H5(x, a, b, c, d, e), x, TG__K(f))
#define TG__H7(x, a, b, c, d, e, f, g)     TG__FMA(TG__H6(x, a, b, c, d, e, f), x, TG__K(g))
#define TG__H8(x, a, b, c, d, e, f, g, h)  TG__FMA(TG__H7(x, a, b, c, d, e, f, g), x, TG__K(h))

#ifndef TG__MATHS_ONCE
#define TG__MATHS_ONCE
/* 2/pi in binary, behind 96 zero bits so that every shift below is positive */
static const uint32_t tg__two_over_pi[41] = {
    0, 0, 0,
    0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu, 0xdebbc561u,
    0xb7246e3au, 0x424dd2e0u, 0x06492eeau, 0x09d1921cu, 0xfe1deb1cu, 0xb129a73eu, 0xe88235f5u, 0x2ebb4484u,
    0xe99c7026u, 0xb45f7e41u, 0x3991d639u, 0x835339f4u, 0x9c845f8bu, 0xbdf9283bu, 0x1ff897ffu, 0xde05980fu,
    0xef2f118bu, 0x5a0a6d1fu, 0x6d367ecfu, 0x27cb09b7u, 0x4f463f66u, 0x9e5fea2du, 0x7527bac7u, 0xebe5f17bu,
    0x3d0739f7u, 0x8a5292eau, 0x6bfb5fb1u, 0x1f8d5d08u, 0x56033046u, 0xfc7b6babu
};

/* Mills ratio of the normal distribution, G(a) = ndtr(-a) e^(a^2/2), by half octaves of 1 + a for a in [0,
   15]: the centres, then the coefficients of (a - centre)^8, ^7, ... ^0. Minimax, 2^-27; each centre was
   chosen so that its G is nearly a float (2^-32). */
static const float tg__mills[10][8] = {
    { 0.253723145f, 0.748123169f, 1.48065186f, 2.49645996f, 3.97320557f, 5.9675293f, 9.03100586f, 12.9555664f },
    { 0.00147560576f, 0.000167691687f, 2.7222175e-05f, 2.86313889e-06f, 2.49497106e-07f, 1.36615146e-08f,
        6.84999502e-10f, 3.17179963e-11f },
    { -0.00182946899f, -0.000562649453f, -0.000109701345f, -1.44584037e-05f, -1.45598347e-06f, -1.11736583e-07f,
        -6.6366721e-09f, -4.23374474e-10f },
    { 0.00544962566f, 0.0017528215f, 0.000383170671f, 6.29440838e-05f, 7.35712274e-06f, 7.75308649e-07f,
        5.92533311e-08f, 5.55090329e-09f },
    { -0.0148877027f, -0.00520224683f, -0.00130937167f, -0.000258921616f, -3.86280262e-05f, -5.37400683e-06f,
        -5.78409015e-07f, -7.48290958e-08f },
    { 0.0369767398f, 0.0144087272f, 0.00423486903f, 0.00102212687f, 0.000197853296f, 3.6701731e-05f,
        5.59751516e-06f, 1.00282193e-06f },
    { -0.0837509111f, -0.036792323f, -0.0128199141f, -0.003845545f, -0.000979669392f, -0.000245893782f,
        -5.34500505e-05f, -1.33662406e-05f },
    { 0.169148222f, 0.0851601139f, 0.0359215811f, 0.0136889918f, 0.00468379445f, 0.00161419669f, 0.000505077594f,
        0.00017717942f },
    { -0.294171244f, -0.174087211f, -0.0916470364f, -0.0457107276f, -0.0215486176f, -0.0103704501f, -0.0047217044f,
        -0.00233555865f },
    { 0.412934512f, 0.300558895f, 0.207540512f, 0.141492978f, 0.0949846804f, 0.0651143566f, 0.0436519012f,
        0.0306128431f }
};

/* A product that clang -Ofast -march=native must not fuse with the sum around it */
TG__PRIVATE double tg__times(double a, double b) { double v = a * b; TG__BARRIER(v); return v; }

/* the polynomials of the double sin and cos below */
static const double tg__huge_sin[5] = { 1.5896681598845614e-10, -2.5050756712114706e-08, 2.7557313687568184e-06,
    -0.00019841269829813416,
    0.008333333333322455 };
static const double tg__huge_cos[6] = { -1.1359803532177195e-11, 2.0875727075935086e-09, -2.75573143875594e-07,
    2.480158728963647e-05,
    -0.0013888888888874441, 0.0416666666666666 };

/* sin (what 0), cos (1) or tan (2) of one number too large for the vector code's reduction, or infinite or NaN.
   Payne and Hanek: with x = m 2^e only the 192 bits of 2/pi that meet the last two quadrant bits and the
   fraction matter.
   |x| >= 2^-36 is assumed (2^16 and more in fact). */
TG__PRIVATE double tg__trig_huge(double x, int what) {
    uint64_t u = tg__bits64(x) & 0x7fffffffffffffffu, m = (u & 0xfffffffffffffu) | 0x10000000000000u, carry, w[3];
    uint32_t p[6], f[6];
    int e = (int)(u >> 52) - 1075, s = e - 2 + 96, i, quadrant, minus = 0;
    double h, l, r, rl, z, sn, cs, hz, t, v, scale;
    if (u >= 0x7ff0000000000000u) return x - x;
    for (i = 0; i < 6; i++) {
        const uint32_t *q = tg__two_over_pi + (s >> 5) + i;
        f[i] = (s & 31) ? q[0] << (s & 31) | q[1] >> (32 - (s & 31)) : q[0];
    }
    for (carry = 0, i = 5; i >= 0; i--) { carry += (m & 0xffffffffu) * f[i]; p[i] = (uint32_t)carry; carry >>= 32; }
    for (carry = 0, i = 4; i >= 0; i--) {
        carry += p[i] + (m >> 32) * f[i + 1];
        p[i] = (uint32_t)carry;
        carry >>= 32;
    }
    for (i = 0; i < 3; i++) w[i] = (uint64_t)p[2 * i] << 32 | p[2 * i + 1];
    quadrant = (int)(w[0] >> 62);
    w[0] = w[0] << 2 | w[1] >> 62; w[1] = w[1] << 2 | w[2] >> 62; w[2] <<= 2;
    /* past the half: count back from the next quadrant */
    if (w[0] >> 63) {
        quadrant++; minus = 1;
        w[2] = ~w[2]; w[1] = ~w[1]; w[0] = ~w[0];
        if (!++w[2] && !++w[1]) ++w[0];
    }
    for (e = 0; !(w[0] >> 63) && e < 190; e++) {
        w[0] = w[0] << 1 | w[1] >> 63;
        w[1] = w[1] << 1 | w[2] >> 63;
        w[2] <<= 1;
    }
    scale = tg__double((uint64_t)(1023 - e) << 52);
    /* 2^-53 */
    h = (double)(int64_t)(w[0] >> 11) * 1.1102230246251565e-16 * scale;
    /* 2^-106 */
    l = (double)(int64_t)((w[0] & 2047u) << 42 | w[1] >> 22) * 1.232595164407831e-32 * scale;
    r = tg__times(h, 1.5707963267948966);
    rl = tg__mullo64(h, 1.5707963267948966, r) + (tg__times(h, 6.123233995736766e-17) +
        tg__times(l, 1.5707963267948966));
    z = r + rl; rl = (r - z) + rl; r = z;
    if (minus) { r = -r; rl = -rl; }
    z = tg__times(r, r); v = tg__times(z, r); sn = tg__huge_sin[0]; cs = tg__huge_cos[0];
    for (i = 1; i < 5; i++) sn = tg__times(sn, z) + tg__huge_sin[i];
    for (i = 1; i < 6; i++) cs = tg__times(cs, z) + tg__huge_cos[i];
    sn = r - ((tg__times(z, tg__times(0.5, rl) - tg__times(v, sn)) - rl) + tg__times(v, 0.16666666666666632));
    hz = 0.5 * z; t = 1.0 - hz;
    cs = t + (((1.0 - t) - hz) + (tg__times(tg__times(z, z), cs) - tg__times(r, rl)));
    if (what == 2) { r = quadrant & 1 ? -cs / sn : sn / cs; return x < 0 ? -r : r; }
    if (what == 1) quadrant++;
    r = quadrant & 1 ? cs : sn;
    if (((quadrant & 2) != 0) != (what == 0 && x < 0)) r = -r;
    return r;
}

/* C's fmod of two numbers with a quotient too large for the vector code: long division, one bit of the
   quotient a step */
TG__PRIVATE double tg__fmod64(double x, double y) {
    uint64_t ux = tg__bits64(x), uy = tg__bits64(y) & 0x7fffffffffffffffu, sign = ux & 0x8000000000000000u, mx, my;
    int ex, ey;
    ux &= 0x7fffffffffffffffu;
    if (ux >= 0x7ff0000000000000u || uy > 0x7ff0000000000000u || uy == 0) return tg__double(0x7ff8000000000000u);
    if (ux < uy) return x;
    ex = tg__split64(ux, &mx); ey = tg__split64(uy, &my);
    while (!(mx >> 52)) { mx <<= 1; ex--; }
    while (!(my >> 52)) { my <<= 1; ey--; }
    for (; ex > ey; ex--) { if (mx >= my) mx -= my; mx <<= 1; }
    if (mx >= my) mx -= my;
    if (!mx) return tg__double(sign);
    while (!(mx >> 52)) { mx <<= 1; ex--; }
    ex += 1075;                                                  /* biased */
    return tg__double(sign | (ex > 0 ? (mx & 0xfffffffffffffu) | (uint64_t)ex << 52 : mx >> (1 - ex)));
}
#endif

/* ====================================================================== double */
#define TG__T double
#define TG__V TG__FN(tg__vf64)
#define TG__M TG__FN(tg__mf64)
#define TG__VI TG__FN(tg__vi64)
#define TG__W(word) TG__FN(tg__w_##word##_f64)
#define TG__INF TG__K(tg__double(0x7ff0000000000000u))
#define TG__NAN TG__K(tg__double(0x7ff8000000000000u))

/* sum and exact error of a sum, in any order of size (Knuth) */
TG__INLINE TG__V TG__W(sumerr)(TG__V a, TG__V b, TG__V s) {
    TG__V t = TG__SUB(s, a);
    return TG__ADD(TG__SUB(a, TG__SUB(s, t)), TG__SUB(b, t));
}
/* +-v with the sign bit of s flipped into it */
TG__INLINE TG__V TG__W(flip)(TG__V v, TG__VI s) { return TG__W(frombits)(TG__W(ixor)(TG__W(bits)(v), s)); }
TG__INLINE TG__VI TG__W(signbit)(TG__V v) { return TG__W(ishl)(TG__W(ishr)(TG__W(bits)(v), 63), 63); }

/* ---- exponentials ----
   x + xl = k ln2 + r + c, |r| <= 0.3466, c the rounding of r; e^r - 1 = r + r^2 Q(r), minimax of degree 9, 2^-56.3.
   k ln2's upper part has 32 bits, so k times it is exact. Result: e^r - 1. */
TG__INLINE TG__V TG__W(exppoly)(TG__V r, TG__V c) {
    TG__V z = TG__MUL(r, r);
    TG__V q = TG__H6(r, 2.500001609792024e-08, 2.763030628436035e-07, 2.7557586812222355e-06, 2.480149294954117e-05,
        0.0001984126950576488, 0.0013888888943760047);
    q = TG__FMA(q, r, TG__K(0.008333333333494982));
    q = TG__FMA(q, r, TG__K(0.041666666666529725));
    q = TG__FMA(q, r, TG__K(0.1666666666666641));
    q = TG__FMA(q, r, TG__K(0.5000000000000011));
    c = TG__FMA(c, TG__FMA(z, q, r), c);                         /* d e^r = e^r dr */
    return TG__ADD(r, TG__FMA(z, q, c));
}
TG__INLINE TG__V TG__W(expreduce)(TG__V x, TG__V xl, TG__V *k) {
    /* adding 1.5 * 2^52 rounds to whole */
    TG__V t = TG__FMA(x, TG__K(1.4426950408889634), TG__K(6755399441055744.0)), h, r, c;
    TG__BARRIER(t);
    *k = TG__SUB(t, TG__K(6755399441055744.0));
    h = TG__FNMA(*k, TG__K(0.6931471803691238), x);
    r = TG__FNMA(*k, TG__K(1.9082149292705877e-10), h);
    c = TG__ADD(TG__FNMA(*k, TG__K(1.9082149292705877e-10), TG__SUB(h, r)), xl);
    return TG__W(exppoly)(r, c);
}
/* exp: 0.84 ulp. Between the clamps k fits scale(); beyond them the result is 0 or infinite. The clamps let NaN
   through. */
TG__PRIVATE TG__V TG__W(exp)(TG__V x) {
    TG__V k, p;
    x = TG__W(minq)(TG__K(711.0), TG__W(maxq)(TG__K(-746.0), x));
    p = TG__W(expreduce)(x, TG__K(0.0), &k);
    return TG__W(scale)(TG__ADD(TG__K(1.0), p), k);
}
/* 2^x: 0.84 ulp. x - k is exact; times ln2 as a pair */
TG__PRIVATE TG__V TG__W(exp2)(TG__V x) {
    TG__V t, k, r, h, l;
    x = TG__W(minq)(TG__K(1025.0), TG__W(maxq)(TG__K(-1077.0), x));
    t = TG__ADD(x, TG__K(6755399441055744.0));
    k = TG__SUB(t, TG__K(6755399441055744.0));
    r = TG__SUB(x, k);
    h = TG__MUL(r, TG__K(0.6931471805599453));
    l = TG__FMA(r, TG__K(2.3190468138462996e-17), TG__W(mullo)(r, TG__K(0.6931471805599453), h));
    return TG__W(scale)(TG__ADD(TG__K(1.0), TG__W(exppoly)(h, l)), k);
}
/* e^x - 1 = 2^k ((1 - 2^-k) + (e^r - 1)): 1.6 ulp; k = 0 keeps small x as they are */
TG__PRIVATE TG__V TG__W(expm1)(TG__V x) {
    TG__V k, p, y = TG__W(minq)(TG__K(711.0), TG__W(maxq)(TG__K(-60.0), x)), n;
    p = TG__W(expreduce)(y, TG__K(0.0), &k);
    n = TG__W(pow2)(TG__W(maxq)(TG__K(-1000.0), TG__SUB(TG__K(0.0), k)));
    return TG__W(copysign)(TG__W(scale)(TG__ADD(TG__SUB(TG__K(1.0), n), p), k), x);
}

/* ---- logarithms ----
   x = 2^k (1 + f), sqrt(1/2) <= 1 + f < sqrt(2). x positive; subnormals are scaled first. */
TG__INLINE TG__V TG__W(logsplit)(TG__V x, TG__V *k) {
    TG__M tiny = TG__W(lt)(x, TG__K(2.2250738585072014e-308));
    TG__VI i = TG__W(bits)(TG__SEL(tiny, TG__MUL(x, TG__K(18014398509481984.0)), x));            /* 2^54 */
    TG__VI base = TG__W(iset)((int64_t)0x3fe6a09e667f3bcd), n;                                    /* sqrt(1/2) */
    i = TG__W(isub)(i, base);
    n = TG__W(isar)(i, 52);
    i = TG__W(iadd)(TG__W(isub)(i, TG__W(ishl)(n, 52)), base);
    *k = TG__ADD(TG__W(i2f)(n), TG__SEL(tiny, TG__K(-54.0), TG__K(0.0)));
    return TG__SUB(TG__W(frombits)(i), TG__K(1.0));
}
/* log(1+f) = 2 atanh(s), s = f / (2 + f), = f - f^2/2 + s (f^2/2 + R), R = s^2 (2/3 + ...): minimax of degree
   6 in s^2, 2^-59. f^2/2 is nearly exact beside f, and s times the rest is small. */
TG__INLINE TG__V TG__W(logpoly)(TG__V s) {
    TG__V z = TG__MUL(s, s);
    return TG__MUL(z, TG__H7(z, 0.14795742060366698, 0.15314075132974156, 0.18183563180497508, 0.22222198599823542,
        0.2857142874206641, 0.3999999999941654, 0.6666666666666734));
}
/* k ln2 + log(1 + f) + lo; k * 0.693.. is exact */
TG__INLINE TG__V TG__W(logsum)(TG__V f, TG__V s, TG__V k, TG__V lo) {
    TG__V h = TG__MUL(TG__MUL(TG__K(0.5), f), f);
    lo = TG__FMA(k, TG__K(1.9082149292705877e-10), lo);
    lo = TG__FMA(s, TG__ADD(h, TG__W(logpoly)(s)), lo);
    return TG__FMA(k, TG__K(0.6931471803691238), TG__SUB(f, TG__SUB(h, lo)));
}
/* what any logarithm gives outside (0, inf) */
TG__INLINE TG__V TG__W(logends)(TG__V x, TG__V y) {
    y = TG__SEL(TG__W(lt)(x, TG__INF), y, x);
    return TG__SEL(TG__W(gt)(x, TG__K(0.0)), y, TG__SEL(TG__W(eq)(x, TG__K(0.0)), TG__W(neg)(TG__INF), TG__NAN));
}
/* log: 0.82 ulp */
TG__PRIVATE TG__V TG__W(log)(TG__V x) {
    TG__V k, f = TG__W(logsplit)(x, &k), s = TG__DIV(f, TG__ADD(TG__K(2.0), f));
    return TG__W(logends)(x, TG__W(logsum)(f, s, k, TG__K(0.0)));
}
/* log(1 + x): 1 + x = u + c exactly; log(u + c) = log u + c/u. For k = 0, f is x itself. 1/(1+f) ~ 1 - 2s + 2s^2 is
   enough for c.
   0.82 ulp */
TG__PRIVATE TG__V TG__W(log1p)(TG__V x) {
    TG__V one = TG__K(1.0), u = TG__ADD(one, x), c = TG__W(sumerr)(one, x, u), k, f, s;
    TG__M zero;
    f = TG__W(logsplit)(u, &k);
    zero = TG__W(eq)(k, TG__K(0.0));
    c = TG__SEL(zero, TG__K(0.0), TG__MUL(c, TG__W(pow2)(TG__W(maxq)(TG__K(-1022.0), TG__SUB(TG__K(0.0), k)))));
    f = TG__SEL(zero, x, f);
    s = TG__DIV(f, TG__ADD(TG__K(2.0), f));
    c = TG__MUL(c, TG__FMA(TG__FMA(TG__K(2.0), s, TG__K(-2.0)), s, one));
    return TG__W(copysign)(TG__W(logends)(u, TG__W(logsum)(f, s, k, c)), x);
}
/* log(1+f) as a pair: high part f - f^2/2 rounded; the rest in *lo */
TG__INLINE TG__V TG__W(logpair)(TG__V f, TG__V *lo) {
    TG__V s = TG__DIV(f, TG__ADD(TG__K(2.0), f)), h = TG__MUL(TG__MUL(TG__K(0.5), f), f), hi = TG__SUB(f, h);
    *lo = TG__FMA(s, TG__ADD(h, TG__W(logpoly)(s)), TG__SUB(TG__SUB(f, hi), h));
    return hi;
}
/* log2, log10: the pair times 1/ln2, 1/ln10 as a pair, plus k times log10(2), whose upper part has 32 bits:
   0.7 ulp, exact at powers of 2 */
TG__PRIVATE TG__V TG__W(log2)(TG__V x) {
    TG__V k, lo, f = TG__W(logsplit)(x, &k), hi = TG__W(logpair)(f, &lo), c = TG__K(1.4426950408889634), v, s;
    v = TG__MUL(hi, c);
    lo = TG__FMA(lo, c, TG__FMA(hi, TG__K(2.0355273740931033e-17), TG__W(mullo)(hi, c, v)));
    s = TG__ADD(k, v);
    return TG__W(logends)(x, TG__ADD(s, TG__ADD(TG__W(sumerr)(k, v, s), lo)));
}
TG__PRIVATE TG__V TG__W(log10)(TG__V x) {
    TG__V k, lo, f = TG__W(logsplit)(x, &k), hi = TG__W(logpair)(f, &lo), c = TG__K(0.4342944819032518), v, s, n;
    v = TG__MUL(hi, c);
    lo = TG__FMA(lo, c, TG__FMA(hi, TG__K(1.098319650216765e-17), TG__W(mullo)(hi, c, v)));
    n = TG__MUL(k, TG__K(0.3010299955494702));
    lo = TG__FMA(k, TG__K(1.1451100898021838e-10), lo);
    s = TG__ADD(n, v);
    return TG__W(logends)(x, TG__ADD(s, TG__ADD(TG__W(sumerr)(n, v, s), lo)));
}

/* ---- pow ----
   What |x|^y needs to become pow(x, y), C99 F.9.4.4; the same text for float. */
#define TG__POWENDS \
    TG__INLINE TG__V TG__W(powends)(TG__V x, TG__V y, TG__V r) { \
        TG__V ax = TG__W(abs)(x), one = TG__K(1), zero = TG__K(0), half = TG__MUL(y, TG__K((TG__T)0.5)); \
        TG__M whole = TG__W(eq)(TG__W(trunc)(y), y), odd = TG__W(mand)(whole, TG__W(ne)(TG__W(trunc)(half), half)), m; \
        TG__M ends = TG__W(mor)(TG__W(eq)(ax, zero), TG__W(mor)(TG__W(isinf)(ax), TG__W(isinf)(y))); \
        m = TG__W(mxor)(TG__W(gt)(ax, one), TG__W(lt)(y, zero)); \
        r = TG__SEL(ends, TG__SEL(m, TG__INF, zero), r); \
        r = TG__W(flip)(r, TG__W(iselect)(odd, TG__W(signbit)(x), TG__W(iset)(0))); \
        m = TG__W(mand)(TG__W(lt)(x, zero), TG__W(mand)(TG__W(isfinite)(x), TG__W(mnot)(whole))); \
        m = TG__W(mor)(m, TG__W(mor)(TG__W(isnan)(x), TG__W(isnan)(y))); \
        r = TG__SEL(m, TG__NAN, r); \
        m = TG__W(mor)(TG__W(mor)(TG__W(eq)(y, zero), TG__W(eq)(x, one)), TG__W(mand)(TG__W(eq)(ax, one), TG__W(isinf)(y))); \
        return TG__SEL(m, one, r); \
    }
TG__POWENDS
/*    log|x| as a pair with 2^-66, times y, then exp of the pair: 0.84 ulp. */
TG__PRIVATE TG__V TG__W(pow)(TG__V x, TG__V y) {
    TG__V one = TG__K(1.0), zero = TG__K(0.0), ax = TG__W(abs)(x), k, f, d, dl, inv, s, sl, z, zl, a, al, t,
        b, h, l, hl, p, r;
    TG__M m;
    f = TG__W(logsplit)(ax, &k);
    d = TG__ADD(TG__K(2.0), f); dl = TG__SUB(f, TG__SUB(d, TG__K(2.0)));
    inv = TG__DIV(one, d);
    s = TG__MUL(f, inv);                                         /* s + sl = f / (2 + f) */
    sl = TG__MUL(TG__FNMA(s, dl, TG__W(neg)(TG__W(mullo)(s, d, f))), inv);
    z = TG__MUL(s, s);
    zl = TG__FMA(TG__ADD(s, s), sl, TG__W(mullo)(s, s, z));
    /* log(1+f) = 2 s (1 + a), a = z/3 + z^2 W(z), W minimax of degree 6, 2^-66 of the whole; z/3 as a pair */
    t = TG__H7(z, 0.06598184101519017, 0.06628406668821239, 0.07693378764376889, 0.09090892181306627,
        0.11111111259988805, 0.14285714285049622, 0.20000000000001128);
    b = TG__MUL(z, TG__K(0.3333333333333333));
    al = TG__FMA(zl, TG__K(0.3333333333333333),
        TG__FMA(z, TG__K(1.850371707708594e-17), TG__W(mullo)(z, TG__K(0.3333333333333333), b)));
    t = TG__FMA(TG__MUL(z, z), t, al);
    a = TG__ADD(b, t); al = TG__ADD(TG__SUB(b, a), t);
    s = TG__ADD(s, s); sl = TG__ADD(sl, sl);
    b = TG__MUL(s, a);                                           /* s * a and its low part */
    t = TG__FMA(s, al, TG__FMA(sl, a, TG__ADD(TG__W(mullo)(s, a, b), sl)));
    h = TG__ADD(s, b); l = TG__ADD(TG__ADD(TG__SUB(s, h), b), t);
    d = TG__MUL(k, TG__K(0.6931471803691238));                   /* exact */
    t = TG__ADD(d, h);
    l = TG__ADD(TG__W(sumerr)(d, h, t), TG__FMA(k, TG__K(1.9082149292705877e-10), l));
    h = TG__ADD(t, l); l = TG__ADD(TG__SUB(t, h), l);
    /* y log|x|, then clamped; the low part of an overflowed product is dropped */
    p = TG__MUL(y, h);
    hl = TG__FMA(y, l, TG__W(mullo)(y, h, p));
    m = TG__W(lt)(TG__W(abs)(p), TG__K(750.0));
    hl = TG__SEL(m, hl, zero);
    p = TG__W(minq)(TG__K(750.0), TG__W(maxq)(TG__K(-750.0), p));
    t = TG__W(expreduce)(p, hl, &k);
    r = TG__W(scale)(TG__ADD(one, t), k);
    return TG__W(powends)(x, y, r);
}

/* ---- sin, cos, tan ----
   |x| < 8e5: three parts of pi/2 with 33 bits, whose products with k are exact, and a fourth; r + rl carries 100
   bits and more.
   Other lanes go one by one through tg__trig_huge. On r: minimax in r^2, sin 2^-58, cos 2^-64. sin, cos 0.77 ulp;
   tan 2.1 ulp. */
TG__INLINE TG__V TG__W(halfpi)(TG__V x, TG__V *rl, TG__VI *quadrant) {
    TG__V t = TG__FMA(x, TG__K(0.6366197723675814), TG__K(6755399441055744.0)), k, a, b, w, e, l;
    TG__BARRIER(t);
    *quadrant = TG__W(bits)(t);
    k = TG__SUB(t, TG__K(6755399441055744.0));
    a = TG__FNMA(k, TG__K(1.5707963267341256), x);
    w = TG__MUL(k, TG__K(-6.077100506303966e-11));
    b = TG__ADD(a, w); e = TG__W(sumerr)(a, w, b);
    w = TG__MUL(k, TG__K(-2.0222662487111665e-21));
    a = TG__ADD(b, w);
    l = TG__ADD(e, TG__FNMA(k, TG__K(8.4784276603689e-32), TG__W(sumerr)(b, w, a)));
    b = TG__ADD(a, l);
    *rl = TG__W(sumerr)(a, l, b);
    return b;
}
TG__INLINE TG__V TG__W(sinpoly)(TG__V r, TG__V rl) {
    TG__V z = TG__MUL(r, r), v = TG__MUL(z, r);
    TG__V p = TG__H5(z, 1.5896681598845614e-10, -2.5050756712114706e-08, 2.7557313687568184e-06,
        -0.00019841269829813416, 0.008333333333322455);
    p = TG__FNMA(v, p, TG__MUL(TG__K(0.5), rl));
    return TG__SUB(r, TG__FMA(v, TG__K(0.16666666666666632), TG__SUB(TG__MUL(z, p), rl)));
}
TG__INLINE TG__V TG__W(cospoly)(TG__V r, TG__V rl) {
    TG__V z = TG__MUL(r, r), h = TG__MUL(TG__K(0.5), z), w = TG__SUB(TG__K(1.0), h);
    TG__V p = TG__H6(z, -1.1359803532177195e-11, 2.0875727075935086e-09, -2.75573143875594e-07,
        2.480158728963647e-05, -0.0013888888888874441, 0.0416666666666666);
    p = TG__FNMA(r, rl, TG__MUL(TG__MUL(z, z), p));
    return TG__ADD(w, TG__ADD(TG__SUB(TG__SUB(TG__K(1.0), w), h), p));
}
TG__PRIVATE TG__V TG__W(trighuge)(TG__V x, TG__V y, TG__M which, int what) {
    double a[TG__VN_F64], b[TG__VN_F64], c[TG__VN_F64]; int i;
    TG__W(store)(a, x); TG__W(store)(b, y); TG__W(store)(c, TG__SEL(which, TG__K(1.0), TG__K(0.0)));
    for (i = 0; i < TG__VN_F64; i++) if (c[i] != 0) b[i] = tg__trig_huge(a[i], what);
    return TG__W(load)(b);
}
TG__INLINE TG__V TG__W(trig)(TG__V x, int what) {
    TG__V ax = TG__W(abs)(x), rl, r, s, c, y;
    TG__VI q, one = TG__W(iset)(1);
    TG__M big = TG__W(mnot)(TG__W(lt)(ax, TG__K(8e5))), odd;
    r = TG__W(halfpi)(ax, &rl, &q);
    s = TG__W(sinpoly)(r, rl); c = TG__W(cospoly)(r, rl);
    if (what == 1) q = TG__W(iadd)(q, one);
    odd = TG__W(ieq)(TG__W(iand)(q, one), one);
    if (what == 2) {
        y = TG__DIV(TG__SEL(odd, c, s), TG__SEL(odd, s, c));
        y = TG__W(flip)(y, TG__W(ixor)(TG__W(ishl)(q, 63), TG__W(signbit)(x)));
    } else {
        y = TG__SEL(odd, c, s);
        q = TG__W(ishl)(TG__W(ishr)(q, 1), 63);
        if (what == 0) q = TG__W(ixor)(q, TG__W(signbit)(x));
        y = TG__W(flip)(y, q);
    }
    if (TG__W(many)(big)) y = TG__W(trighuge)(x, y, big, what);
    return y;
}
TG__PRIVATE TG__V TG__W(sin)(TG__V x) { return TG__W(trig)(x, 0); }
TG__PRIVATE TG__V TG__W(cos)(TG__V x) { return TG__W(trig)(x, 1); }
TG__PRIVATE TG__V TG__W(tan)(TG__V x) { return TG__W(trig)(x, 2); }

/* ---- inverse ----
   atan(n/d), n, d >= 0: turned by 0, pi/4 or pi/2 to |t| <= tan(pi/8); t + t^3 P(t^2), minimax of degree 11, 2^-63.
   brief, here and below: the short polynomial that is enough for a float result; for atan of degree 5, 2^-35. */
TG__INLINE TG__V TG__W(atanratio)(TG__V n, TG__V d, int brief) {
    TG__M low = TG__W(le)(n, TG__MUL(d, TG__K(0.41421356237309503))), high = TG__W(gt)(n, TG__MUL(d,
        TG__K(2.414213562373095)));
    TG__V a = TG__SEL(low, n, TG__SEL(high, TG__W(neg)(d), TG__SUB(n, d)));
    TG__V b = TG__SEL(low, d, TG__SEL(high, n, TG__ADD(n, d)));
    TG__V hi = TG__SEL(low, TG__K(0.0), TG__SEL(high, TG__K(1.5707963267948966), TG__K(0.7853981633974483)));
    TG__V lo = TG__SEL(low, TG__K(0.0), TG__SEL(high, TG__K(6.123233995736766e-17), TG__K(3.061616997868383e-17)));
    TG__V t = TG__DIV(a, b), z = TG__MUL(t, t), p;
    if (brief) p = TG__H6(z, 0.047480574465655845, -0.08478305382189495, 0.11045076334759926, -0.14282040756219905,
        0.19999905143422284, -0.3333333251415475);
    else {
        p = TG__H6(z, 0.014892767761222617, -0.03317408226646688, 0.04490532873420305, -0.052151748974778186,
            0.058765156895375176, -0.06666174624015973);
        p = TG__FMA(p, z, TG__K(0.07692279198305033));
        p = TG__FMA(p, z, TG__K(-0.09090907985786055));
        p = TG__FMA(p, z, TG__K(0.11111111083744553));
        p = TG__FMA(p, z, TG__K(-0.14285714285316392));
        p = TG__FMA(p, z, TG__K(0.19999999999997095));
        p = TG__FMA(p, z, TG__K(-0.33333333333333326));
    }
    p = TG__FMA(TG__MUL(t, z), p, lo);
    return TG__ADD(hi, TG__ADD(t, p));
}
TG__PRIVATE TG__V TG__W(atan)(TG__V x)                            /* 1.8 ulp */
{ return TG__W(copysign)(TG__W(atanratio)(TG__W(abs)(x), TG__K(1.0), 0), x); }
TG__PRIVATE TG__V TG__W(atanbrief)(TG__V x)
{ return TG__W(copysign)(TG__W(atanratio)(TG__W(abs)(x), TG__K(1.0), 1), x); }
/* atan2(y, x): 1.8 ulp. Very large pairs are scaled so that sums stay finite; two infinities are as two ones. */
TG__INLINE TG__V TG__W(atanpair)(TG__V y, TG__V x, int brief) {
    TG__V ay = TG__W(abs)(y), ax = TG__W(abs)(x), zero = TG__K(0.0), r;
    TG__M both = TG__W(mand)(TG__W(isinf)(ay), TG__W(isinf)(ax));
    TG__M large = TG__W(gt)(TG__W(maxq)(ay, ax), TG__K(1e307)), minus = TG__W(igt)(TG__W(iset)(0), TG__W(bits)(x));
    ay = TG__SEL(both, TG__K(1.0), TG__SEL(large, TG__MUL(ay, TG__K(0.125)), ay));
    ax = TG__SEL(both, TG__K(1.0), TG__SEL(large, TG__MUL(ax, TG__K(0.125)), ax));
    ax = TG__SEL(TG__W(mand)(TG__W(eq)(ax, zero), TG__W(eq)(ay, zero)), TG__K(1.0), ax);
    r = TG__W(atanratio)(ay, ax, brief);
    r = TG__SEL(minus, TG__SUB(TG__K(3.141592653589793), TG__SUB(r, TG__K(1.2246467991473532e-16))), r);
    r = TG__SEL(TG__W(mor)(TG__W(isnan)(x), TG__W(isnan)(y)), TG__NAN, r);
    return TG__W(copysign)(r, y);
}
TG__PRIVATE TG__V TG__W(atan2)(TG__V y, TG__V x)      { return TG__W(atanpair)(y, x, 0); }
TG__PRIVATE TG__V TG__W(atan2brief)(TG__V y, TG__V x) { return TG__W(atanpair)(y, x, 1); }
/* asin x = x + x^3 P(x^2) for |x| <= 1/2, minimax of degree 12, 2^-59 (brief: 6, 2^-35); above, asin x = pi/2 - 2
   asin(sqrt((1 - x)/2)):
   asin 2.1 ulp, acos 1.1 */
TG__INLINE TG__V TG__W(asinpoly)(TG__V z, int brief) {
    TG__V p;
    if (brief) return TG__H7(z, 0.03470703773331671, 0.007457769247613753, 0.024621930178728085,
        0.03010970457171017, 0.044660205836726016, 0.0749994800746703, 0.16666667191549836);
    p = TG__H7(z, 0.03269702827409053, -0.02110872757407088, 0.021785158699721224, 0.003674373044151746,
        0.01078876065431677, 0.011397389530738159, 0.013981007198451544);
    p = TG__FMA(p, z, TG__K(0.01735159640549777));
    p = TG__FMA(p, z, TG__K(0.02237221585789423));
    p = TG__FMA(p, z, TG__K(0.0303819426768923));
    p = TG__FMA(p, z, TG__K(0.04464285717525453));
    p = TG__FMA(p, z, TG__K(0.07499999999970129));
    return TG__FMA(p, z, TG__K(0.16666666666666763));
}
TG__INLINE TG__V TG__W(arcsin)(TG__V x, int brief) {
    TG__V a = TG__W(abs)(x), z, s, r;
    TG__M big = TG__W(gt)(a, TG__K(0.5));
    z = TG__SEL(big, TG__MUL(TG__K(0.5), TG__SUB(TG__K(1.0), a)), TG__MUL(a, a));
    s = TG__SEL(big, TG__W(sqrt)(z), a);
    r = TG__FMA(TG__MUL(s, z), TG__W(asinpoly)(z, brief), s);
    r = TG__SEL(big, TG__SUB(TG__K(1.5707963267948966), TG__SUB(TG__ADD(r, r), TG__K(6.123233995736766e-17))), r);
    return TG__W(copysign)(r, x);
}
TG__INLINE TG__V TG__W(arccos)(TG__V x, int brief) {
    TG__V a = TG__W(abs)(x), z, s, p, r;
    TG__M big = TG__W(gt)(a, TG__K(0.5)), minus = TG__W(lt)(x, TG__K(0.0));
    z = TG__SEL(big, TG__MUL(TG__K(0.5), TG__SUB(TG__K(1.0), a)), TG__MUL(a, a));
    s = TG__SEL(big, TG__W(sqrt)(z), x);
    p = TG__MUL(TG__MUL(s, z), TG__W(asinpoly)(z, brief));
    r = TG__ADD(s, p);
    z = TG__SUB(TG__K(1.5707963267948966), TG__SUB(s, TG__SUB(TG__K(6.123233995736766e-17), p)));
    s = TG__SUB(TG__K(3.141592653589793), TG__SUB(TG__ADD(r, r), TG__K(1.2246467991473532e-16)));
    return TG__SEL(big, TG__SEL(minus, s, TG__ADD(r, r)), z);
}
TG__PRIVATE TG__V TG__W(asin)(TG__V x)      { return TG__W(arcsin)(x, 0); }
TG__PRIVATE TG__V TG__W(acos)(TG__V x)      { return TG__W(arccos)(x, 0); }
TG__PRIVATE TG__V TG__W(asinbrief)(TG__V x) { return TG__W(arcsin)(x, 1); }
TG__PRIVATE TG__V TG__W(acosbrief)(TG__V x) { return TG__W(arccos)(x, 1); }

/* ---- hyperbolic ----
   sinh, cosh: h = e^|x| / 2 with the half in the exponent, so it overflows only where they do; h -+ 1/(4h):
   1.6 ulp.
   sinh below 1: x + x^3 P(x^2), minimax of degree 6, 2^-56. */
TG__INLINE TG__V TG__W(halfexp)(TG__V a) {
    TG__V k, p;
    a = TG__W(minq)(TG__K(711.0), a);
    p = TG__W(expreduce)(a, TG__K(0.0), &k);
    return TG__W(scale)(TG__ADD(TG__K(1.0), p), TG__SUB(k, TG__K(1.0)));
}
TG__PRIVATE TG__V TG__W(sinh)(TG__V x) {
    TG__V a = TG__W(abs)(x), h = TG__W(halfexp)(a), z = TG__MUL(a, a), r;
    r = TG__H7(z, 7.75931230255535e-13, 1.6057240337562338e-10, 2.505212339860958e-08, 2.7557319155336477e-06,
        0.00019841269841437684, 0.008333333333333139, 0.16666666666666669);
    r = TG__FMA(TG__MUL(a, z), r, a);
    r = TG__SEL(TG__W(lt)(a, TG__K(1.0)), r, TG__SUB(h, TG__DIV(TG__K(0.25), h)));
    return TG__W(copysign)(r, x);
}
TG__PRIVATE TG__V TG__W(cosh)(TG__V x) {
    TG__V h = TG__W(halfexp)(TG__W(abs)(x));
    return TG__ADD(h, TG__DIV(TG__K(0.25), h));
}
/* tanh below 0.55: x + x^3 P(x^2), minimax of degree 10, 2^-60; above 1 - 2 / (e^2x + 1): 1.4 ulp */
TG__PRIVATE TG__V TG__W(tanh)(TG__V x) {
    TG__V a = TG__W(abs)(x), z = TG__MUL(a, a), k, p, r;
    p = TG__H5(z, -1.9467965339110662e-05, 8.327495231233143e-05, -0.0002333540522429919, 0.000588434315040705,
        -0.0014555405491655405);
    p = TG__FMA(p, z, TG__K(0.0035920917042385936));
    p = TG__FMA(p, z, TG__K(-0.008863232572505873));
    p = TG__FMA(p, z, TG__K(0.021869488384317782));
    p = TG__FMA(p, z, TG__K(-0.05396825396371576));
    p = TG__FMA(p, z, TG__K(0.1333333333332656));
    p = TG__FMA(p, z, TG__K(-0.333333333333333));
    r = TG__FMA(TG__MUL(a, z), p, a);
    z = TG__W(minq)(TG__K(40.0), TG__ADD(a, a));
    p = TG__W(expreduce)(z, TG__K(0.0), &k);
    z = TG__W(scale)(TG__ADD(TG__K(1.0), p), k);
    z = TG__SUB(TG__K(1.0), TG__DIV(TG__K(2.0), TG__ADD(z, TG__K(1.0))));
    return TG__W(copysign)(TG__SEL(TG__W(lt)(a, TG__K(0.55)), r, z), x);
}
/* asinh = log1p(a + a^2 / (1 + sqrt(1 + a^2))); acosh = log1p(t + sqrt(t (t + 2))), t = x - 1; far out log(2a): 1.8
   ulp */
TG__PRIVATE TG__V TG__W(asinh)(TG__V x) {
    TG__V a = TG__W(abs)(x), b = TG__W(minq)(TG__K(268435456.0), a), z = TG__MUL(b, b), r;
    r = TG__DIV(z, TG__ADD(TG__K(1.0), TG__W(sqrt)(TG__ADD(TG__K(1.0), z))));
    r = TG__W(log1p)(TG__ADD(b, r));
    z = TG__ADD(TG__W(log)(a), TG__K(0.6931471805599453));
    return TG__W(copysign)(TG__SEL(TG__W(gt)(a, TG__K(268435456.0)), z, r), x);
}
TG__PRIVATE TG__V TG__W(acosh)(TG__V x) {
    TG__V t = TG__SUB(TG__W(minq)(TG__K(268435456.0), x), TG__K(1.0)), r, z;
    r = TG__W(log1p)(TG__ADD(t, TG__W(sqrt)(TG__FMA(t, t, TG__ADD(t, t)))));
    z = TG__ADD(TG__W(log)(x), TG__K(0.6931471805599453));
    r = TG__SEL(TG__W(gt)(x, TG__K(268435456.0)), z, r);
    return TG__SEL(TG__W(lt)(x, TG__K(1.0)), TG__NAN, r);
}
/* atanh = log1p(2a / (1 - a)) / 2, below 1/2 with 2a + 2a a / (1 - a): 1.6 ulp */
TG__PRIVATE TG__V TG__W(atanh)(TG__V x) {
    TG__V a = TG__W(abs)(x), t = TG__ADD(a, a), q, r;
    TG__M low = TG__W(lt)(a, TG__K(0.5));
    q = TG__DIV(TG__SEL(low, TG__MUL(t, a), t), TG__SUB(TG__K(1.0), a));
    r = TG__W(log1p)(TG__SEL(low, TG__ADD(t, q), q));
    return TG__W(copysign)(TG__MUL(TG__K(0.5), r), x);
}

/* ---- error function ----
   erfc(a) = e^(-a^2) F(t) / (1 + 2a), t = (a - 4)/(a + 4): F is smooth (1 to 1.28) on all of [0, 28]; minimax of
   degree 23, 2^-54.
   The exponent is given as an exact pair (h, l). Result times 2^shift. */
TG__INLINE TG__V TG__W(erfcpair)(TG__V a, TG__V h, TG__V l, TG__V shift) {
    TG__V t = TG__DIV(TG__SUB(a, TG__K(4.0)), TG__ADD(a, TG__K(4.0))), p, k, e;
    p = TG__H8(t, 1.1981471535182299e-09, 1.6773173700566995e-09, -1.4070559573800652e-08, -1.7469774207672224e-08,
        1.103328503230254e-07, 7.410545413409807e-08, -8.259663627767439e-07, 2.941617492191746e-07);
    p = TG__FMA(p, t, TG__K(5.710196681223888e-06));
    p = TG__FMA(p, t, TG__K(-1.122218299921159e-05));
    p = TG__FMA(p, t, TG__K(-2.4399442181708168e-05));
    p = TG__FMA(p, t, TG__K(0.00015062172347356494));
    p = TG__FMA(p, t, TG__K(-0.00019925662554552521));
    p = TG__FMA(p, t, TG__K(-0.0007577732992432546));
    p = TG__FMA(p, t, TG__K(0.005031969964889126));
    p = TG__FMA(p, t, TG__K(-0.016197734056207662));
    p = TG__FMA(p, t, TG__K(0.03716751553897689));
    p = TG__FMA(p, t, TG__K(-0.06633036581236014));
    p = TG__FMA(p, t, TG__K(0.0937328349982563));
    p = TG__FMA(p, t, TG__K(-0.10103906603629771));
    p = TG__FMA(p, t, TG__K(0.06809705425469532));
    p = TG__FMA(p, t, TG__K(0.015379652102619622));
    p = TG__FMA(p, t, TG__K(-0.13962111684056253));
    p = TG__FMA(p, t, TG__K(1.2329951186255526));
    p = TG__DIV(p, TG__FMA(TG__K(2.0), a, TG__K(1.0)));
    e = TG__W(expreduce)(h, l, &k);
    return TG__W(scale)(TG__FMA(p, e, p), TG__ADD(k, shift));
}
TG__INLINE TG__V TG__W(erfcabs)(TG__V a) {
    TG__V h;
    a = TG__W(minq)(TG__K(27.5), a);
    h = TG__MUL(a, a);
    return TG__W(erfcpair)(a, TG__W(neg)(h), TG__W(neg)(TG__W(mullo)(a, a, h)), TG__K(0.0));
}
/* erf below 0.9: x + x P(x^2), minimax of degree 12, 2^-56 */
TG__INLINE TG__V TG__W(erflow)(TG__V a) {
    TG__V z = TG__MUL(a, a), p;
    p = TG__H7(z, 6.486216475118205e-11, -1.1648175917157528e-09, 1.4722577021136883e-08, -1.6358554925544076e-07,
        1.6461687388598137e-06, -1.4925633117314878e-05, 0.00012055332503930704);
    p = TG__FMA(p, z, TG__K(-0.0008548327014556372));
    p = TG__FMA(p, z, TG__K(0.005223977625335714));
    p = TG__FMA(p, z, TG__K(-0.02686617064512365));
    p = TG__FMA(p, z, TG__K(0.11283791670955097));
    p = TG__FMA(p, z, TG__K(-0.37612638903183754));
    p = TG__FMA(p, z, TG__K(0.1283791670955126));
    return TG__FMA(a, p, a);
}
TG__PRIVATE TG__V TG__W(erf)(TG__V x) {                           /* 1.1 ulp */
    TG__V a = TG__W(abs)(x);
    return TG__W(copysign)(TG__SEL(TG__W(lt)(a, TG__K(0.9)), TG__W(erflow)(a), TG__SUB(TG__K(1.0),
        TG__W(erfcabs)(a))), x);
}
/* erfc: 3.3 ulp, relative, down to the last subnormal */
TG__PRIVATE TG__V TG__W(erfc)(TG__V x) {
    TG__V a = TG__W(abs)(x), r = TG__SEL(TG__W(lt)(a, TG__K(0.5)),
        TG__SUB(TG__K(1.0), TG__W(erflow)(a)), TG__W(erfcabs)(a));
    return TG__SEL(TG__W(lt)(x, TG__K(0.0)), TG__SUB(TG__K(2.0), r), r);
}
/* standard normal distribution: erfc(-x / sqrt 2) / 2, with x^2/2 exact: 3 ulp, relative, in the lower tail too */
TG__PRIVATE TG__V TG__W(ndtr)(TG__V x) {
    TG__V a = TG__W(minq)(TG__K(39.0), TG__W(abs)(x)), h = TG__MUL(a, a), l = TG__W(mullo)(a, a, h), r;
    TG__V b = TG__MUL(a, TG__K(0.7071067811865476));
    r = TG__W(erfcpair)(b, TG__MUL(h, TG__K(-0.5)), TG__MUL(l, TG__K(-0.5)), TG__K(-1.0));
    r = TG__SEL(TG__W(lt)(b, TG__K(0.5)), TG__FNMA(TG__K(0.5), TG__W(erflow)(b), TG__K(0.5)), r);
    return TG__SEL(TG__W(gt)(x, TG__K(0.0)), TG__SUB(TG__K(1.0), r), r);
}

/* ---- composites ---- */
TG__INLINE TG__V TG__W(rsqrt)(TG__V x) { return TG__DIV(TG__K(1.0), TG__W(sqrt)(x)); }      /* 1.5 ulp */
TG__INLINE TG__V TG__W(expminus)(TG__V x) {                      /* e^-|x| */
    TG__V k, p = TG__W(expreduce)(TG__W(maxq)(TG__K(-746.0), TG__W(neg)(TG__W(abs)(x))), TG__K(0.0), &k);
    return TG__W(scale)(TG__ADD(TG__K(1.0), p), k);
}
TG__PRIVATE TG__V TG__W(sigmoid)(TG__V x) {                       /* 2.2 ulp */
    TG__V e = TG__W(expminus)(x);
    return TG__DIV(TG__SEL(TG__W(lt)(x, TG__K(0.0)), e, TG__K(1.0)), TG__ADD(TG__K(1.0), e));
}
TG__PRIVATE TG__V TG__W(gelutanh)(TG__V x)
{ return TG__MUL(x, TG__W(sigmoid)(TG__MUL(x,
    TG__FMA(TG__MUL(x, x), TG__K(0.07135481627159955), TG__K(1.5957691216057308))))); }
TG__PRIVATE TG__V TG__W(softplus)(TG__V x)                        /* 1.6 ulp */
{ return TG__ADD(TG__W(maxq)(TG__K(0.0), x), TG__W(log1p)(TG__W(expminus)(x))); }
TG__PRIVATE TG__V TG__W(logsigmoid)(TG__V x)                      /* 1.6 ulp */
{ return TG__SUB(TG__W(minq)(TG__K(0.0), x), TG__W(log1p)(TG__W(expminus)(x))); }

/* ---- fmod ----
   A quotient below 2^52 may be one off; n - q d is exact all the same, and one correction puts it into [0, d).
   Everything else (large quotients, zero, infinity, NaN) goes lane by lane. */
TG__PRIVATE TG__V TG__W(fmod)(TG__V x, TG__V y) {
#if TG__VN_F64 > 1
    TG__V n = TG__W(abs)(x), d = TG__W(abs)(y), q = TG__DIV(n, d), r, zero = TG__K(0.0);
    TG__M ok = TG__W(mand)(TG__W(lt)(q, TG__K(4503599627370496.0)),
        TG__W(mand)(TG__W(gt)(d, zero), TG__W(lt)(d, TG__INF)));
    r = TG__FNMA(TG__W(trunc)(q), d, n);
    r = TG__SEL(TG__W(lt)(r, zero), TG__ADD(r, d), r);
    r = TG__SEL(TG__W(ge)(r, d), TG__SUB(r, d), r);
    r = TG__W(copysign)(r, x);
    if (!TG__W(mall)(ok)) {
        double a[TG__VN_F64], b[TG__VN_F64], c[TG__VN_F64], o[TG__VN_F64]; int i;
        TG__W(store)(a, x); TG__W(store)(b, y); TG__W(store)(c, r); TG__W(store)(o, TG__SEL(ok, TG__K(1.0), zero));
        for (i = 0; i < TG__VN_F64; i++) if (o[i] == 0) c[i] = tg__fmod64(a[i], b[i]);
        r = TG__W(load)(c);
    }
    return r;
#else
    return tg__fmod64(x, y);
#endif
}

/* ---- for float results: one rounding of double is far below a float's, so pairs are needless and the polynomials
   short ---- */
/* log(1 + f), 2s + s^3 P(s^2), minimax of degree 3, 2^-37; x is positive and normal */
TG__INLINE TG__V TG__W(logbrief)(TG__V x, TG__V *k) {
    TG__VI i = TG__W(bits)(x), base = TG__W(iset)((int64_t)0x3fe6a09e667f3bcd), n;
    TG__V f, s, z;
    i = TG__W(isub)(i, base);
    n = TG__W(isar)(i, 52);
    f = TG__SUB(TG__W(frombits)(TG__W(iadd)(TG__W(isub)(i, TG__W(ishl)(n, 52)), base)), TG__K(1.0));
    *k = TG__W(i2f)(n);
    s = TG__DIV(f, TG__ADD(TG__K(2.0), f));
    z = TG__MUL(s, s);
    return TG__FMA(TG__MUL(s, z), TG__H4(z, 0.23582295087978342, 0.28537301417145794, 0.4000033529510055,
        0.6666666564503858), TG__ADD(s, s));
}
TG__INLINE TG__V TG__W(lnbrief)(TG__V x) {
    TG__V k, f = TG__W(logbrief)(x, &k);
    return TG__FMA(k, TG__K(0.6931471805599453), f);
}
TG__PRIVATE TG__V TG__W(log2brief)(TG__V x) {
    TG__V k, f = TG__W(logbrief)(x, &k);
    return TG__FMA(f, TG__K(1.4426950408889634), k);
}
TG__PRIVATE TG__V TG__W(log10brief)(TG__V x) { return TG__MUL(TG__W(lnbrief)(x), TG__K(0.4342944819032518)); }
TG__PRIVATE TG__V TG__W(log1pbrief)(TG__V x) {                    /* near 0 the first terms of the series */
    TG__V t = TG__FMA(TG__H3(x, 0.3333333333333333, -0.5, 0.0), x, x);
    return TG__SEL(TG__W(lt)(TG__W(abs)(x), TG__K(0.000244140625)), t, TG__W(lnbrief)(TG__ADD(x, TG__K(1.0))));
}
TG__PRIVATE TG__V TG__W(asinhbrief)(TG__V a) {                    /* a >= 0 in these three */
    TG__V z = TG__MUL(a, a), t = TG__FNMA(TG__MUL(a, z), TG__K(0.16666666666666666), a);
    return TG__SEL(TG__W(lt)(a, TG__K(0.000244140625)), t,
        TG__W(lnbrief)(TG__ADD(a, TG__W(sqrt)(TG__ADD(z, TG__K(1.0))))));
}
TG__PRIVATE TG__V TG__W(acoshbrief)(TG__V a)
{ return TG__W(lnbrief)(TG__ADD(a, TG__W(sqrt)(TG__FMA(a, a, TG__K(-1.0))))); }
TG__PRIVATE TG__V TG__W(atanhbrief)(TG__V a) {
    TG__V t = TG__FMA(TG__MUL(a, TG__MUL(a, a)), TG__K(0.3333333333333333), a), q = TG__DIV(TG__ADD(TG__K(1.0), a),
        TG__SUB(TG__K(1.0), a));
    return TG__SEL(TG__W(lt)(a, TG__K(0.000244140625)), t, TG__MUL(TG__K(0.5), TG__W(lnbrief)(q)));
}
/* e^x for |x| <= 700; Q minimax of degree 4, 2^-28 */
TG__INLINE TG__V TG__W(expbrief)(TG__V x) {
    TG__V t = TG__FMA(x, TG__K(1.4426950408889634), TG__K(6755399441055744.0)), k, r;
    TG__BARRIER(t);
    k = TG__SUB(t, TG__K(6755399441055744.0));
    r = TG__FNMA(k, TG__K(0.6931471805599453), x);
    t = TG__H5(r, 0.0013814553525248513, 0.008368745298453332, 0.04166839052278136, 0.16666520397011572,
        0.49999993433363543);
    return TG__MUL(TG__ADD(TG__K(1.0), TG__FMA(TG__MUL(r, r), t, r)), TG__W(pow2)(k));
}
TG__PRIVATE TG__V TG__W(powbrief)(TG__V x, TG__V y) {             /* |x|^y, x not 0 */
    TG__V p = TG__MUL(y, TG__W(lnbrief)(TG__W(abs)(x)));
    return TG__W(expbrief)(TG__W(minq)(TG__K(150.0), TG__W(maxq)(TG__K(-150.0), p)));
}
/* a >= 0 in these two; P minimax of degree 3, 2^-34 */
TG__PRIVATE TG__V TG__W(sinhbrief)(TG__V a) {
    TG__V z = TG__MUL(a, a), e = TG__W(expbrief)(TG__W(minq)(TG__K(100.0), a)), t;
    t = TG__FMA(TG__MUL(a, z), TG__H4(z, 2.817439593288177e-06, 0.00019836066260042168, 0.008333350597957923,
        0.1666666648872119), a);
    return TG__SEL(TG__W(lt)(a, TG__K(1.0)), t, TG__MUL(TG__K(0.5), TG__SUB(e, TG__DIV(TG__K(1.0), e))));
}
TG__PRIVATE TG__V TG__W(coshbrief)(TG__V a) {
    TG__V e = TG__W(expbrief)(TG__W(minq)(TG__K(100.0), a));
    return TG__MUL(TG__K(0.5), TG__ADD(e, TG__DIV(TG__K(1.0), e)));
}
/* tan for |x| < 1e5; sin minimax of degree 3, 2^-37, cos of degree 4, 2^-43. Floats never come closer than 2^-30 to
   a pole. */
TG__PRIVATE TG__V TG__W(tanbrief)(TG__V x) {
    TG__V t = TG__FMA(x, TG__K(0.6366197723675814), TG__K(6755399441055744.0)), k, r, z, s, c;
    TG__VI one = TG__W(iset)(1), q;
    TG__M odd;
    TG__BARRIER(t);
    k = TG__SUB(t, TG__K(6755399441055744.0));
    q = TG__W(bits)(t);
    r = TG__FNMA(k, TG__K(6.077100506506192e-11), TG__FNMA(k, TG__K(1.5707963267341256), x));
    z = TG__MUL(r, r);
    s = TG__FMA(TG__MUL(r, z), TG__H4(z, 2.7182372256622492e-06, -0.0001983932713096311, 0.008333329362264242,
        -0.16666666641426478), r);
    c = TG__FMA(z, TG__H5(z, -2.7179354811210527e-07, 2.479903094189704e-05, -0.0013888881032193387,
        0.041666666561246055, -0.4999999999954057), TG__K(1.0));
    odd = TG__W(ieq)(TG__W(iand)(q, one), one);
    return TG__W(flip)(TG__DIV(TG__SEL(odd, c, s), TG__SEL(odd, s, c)), TG__W(ishl)(q, 63));
}
#undef TG__T
#undef TG__V
#undef TG__M
#undef TG__VI
#undef TG__INF
#undef TG__NAN

/* ====================================================================== float */
#define TG__T float
#define TG__V TG__FN(tg__vf32)
#define TG__M TG__FN(tg__mf32)
#define TG__VI TG__FN(tg__vi32)
#define TG__D(word) TG__FN(tg__w_##word##_f64)
#undef TG__W
#define TG__W(word) TG__FN(tg__w_##word##_f32)
#define TG__INF TG__K(tg__float(0x7f800000u))
#define TG__NAN TG__K(tg__float(0x7fc00000u))

TG__INLINE TG__V TG__W(flip)(TG__V v, TG__VI s) { return TG__W(frombits)(TG__W(ixor)(TG__W(bits)(v), s)); }
TG__INLINE TG__VI TG__W(signbit)(TG__V v) { return TG__W(iand)(TG__W(bits)(v), TG__W(bits)(TG__K(-0.0f))); }
TG__INLINE TG__V TG__W(logends)(TG__V x, TG__V y) {              /* what any logarithm gives outside (0, inf) */
    y = TG__SEL(TG__W(lt)(x, TG__INF), y, x);
    return TG__SEL(TG__W(gt)(x, TG__K(0.0f)), y, TG__SEL(TG__W(eq)(x, TG__K(0.0f)), TG__W(neg)(TG__INF), TG__NAN));
}
TG__POWENDS

/* Through double and rounded once: 0.55 ulp, fmod exact. */
#if TG__VN_F32 > 1
#define TG__WIDE1(word, x)    TG__W(narrow)(TG__D(word)(TG__W(lo)(x)), TG__D(word)(TG__W(hi)(x)))
#define TG__WIDE2(word, x, y) TG__W(narrow)(TG__D(word)(TG__W(lo)(x), TG__W(lo)(y)), TG__D(word)(TG__W(hi)(x), TG__W(hi)(y)))
#else
#define TG__WIDE1(word, x)    ((float)TG__D(word)((double)(x)))
#define TG__WIDE2(word, x, y) ((float)TG__D(word)((double)(x), (double)(y)))
#endif
TG__PRIVATE TG__V TG__W(log2)(TG__V x)           { return TG__W(logends)(x, TG__WIDE1(log2brief, x)); }
TG__PRIVATE TG__V TG__W(log10)(TG__V x)          { return TG__W(logends)(x, TG__WIDE1(log10brief, x)); }
TG__PRIVATE TG__V TG__W(log1p)(TG__V x)
{ return TG__W(copysign)(TG__W(logends)(TG__ADD(TG__K(1.0f), x), TG__WIDE1(log1pbrief, x)), x); }
TG__PRIVATE TG__V TG__W(asin)(TG__V x)           { return TG__WIDE1(asinbrief, x); }
TG__PRIVATE TG__V TG__W(acos)(TG__V x)           { return TG__WIDE1(acosbrief, x); }
TG__PRIVATE TG__V TG__W(atan)(TG__V x)           { return TG__WIDE1(atanbrief, x); }
TG__PRIVATE TG__V TG__W(atan2)(TG__V y, TG__V x) { return TG__WIDE2(atan2brief, y, x); }
TG__PRIVATE TG__V TG__W(fmod)(TG__V x, TG__V y)  { return TG__WIDE2(fmod, x, y); }
TG__PRIVATE TG__V TG__W(pow)(TG__V x, TG__V y)   { return TG__W(powends)(x, y, TG__WIDE2(powbrief, x, y)); }
TG__PRIVATE TG__V TG__W(cosh)(TG__V x)           { TG__V a = TG__W(abs)(x); return TG__WIDE1(coshbrief, a); }
TG__PRIVATE TG__V TG__W(sinh)(TG__V x)
{ TG__V a = TG__W(abs)(x); return TG__W(copysign)(TG__WIDE1(sinhbrief, a), x); }
TG__PRIVATE TG__V TG__W(acosh)(TG__V x)
{ return TG__SEL(TG__W(lt)(x, TG__K(1.0f)), TG__NAN, TG__W(logends)(x, TG__WIDE1(acoshbrief, x))); }
TG__PRIVATE TG__V TG__W(asinh)(TG__V x) {
    TG__V a = TG__W(abs)(x);
    return TG__W(copysign)(TG__SEL(TG__W(lt)(a, TG__INF), TG__WIDE1(asinhbrief, a), a), x);
}
/* 1 - a is 0 and negative where atanh is infinite and NaN */
TG__PRIVATE TG__V TG__W(atanh)(TG__V x) {
    TG__V a = TG__W(abs)(x);
    return TG__W(copysign)(TG__W(logends)(TG__SUB(TG__K(1.0f), a), TG__WIDE1(atanhbrief, a)), x);
}

/* e^r = 1 + r + r^2 Q(r), |r| <= 0.3467: minimax of degree 4, 2^-28.2. The upper part of ln2 has 15 bits: k
   times it is exact. exp 1.02 ulp, exp2 1.03, expm1 1.5. */
TG__INLINE TG__V TG__W(expq)(TG__V r)
{ return TG__H5(r, 0.00138380087f, 0.00836916547f, 0.0416681021f, 0.166665167f, 0.49999994f); }
TG__INLINE TG__V TG__W(expreduce)(TG__V x, TG__V *k) {           /* e^r - 1 */
    TG__V t = TG__FMA(x, TG__K(1.44269502f), TG__K(12582912.0f)), r;
    TG__BARRIER(t);
    *k = TG__SUB(t, TG__K(12582912.0f));
    r = TG__FNMA(*k, TG__K(0.693145752f), x);
    r = TG__FNMA(*k, TG__K(1.42860677e-06f), r);
    return TG__FMA(TG__MUL(r, r), TG__W(expq)(r), r);
}
TG__INLINE TG__V TG__W(exp)(TG__V x) {
    TG__V k, p;
    x = TG__W(minq)(TG__K(89.0f), TG__W(maxq)(TG__K(-104.0f), x));
    p = TG__W(expreduce)(x, &k);
    return TG__W(scale)(TG__ADD(TG__K(1.0f), p), k);
}
/* 2^x = 2^k 2^r, |r| <= 1/2 exact; 1 + r Q(r), minimax of degree 6, 2^-30 */
TG__INLINE TG__V TG__W(exp2)(TG__V x) {
    TG__V t, k, r;
    x = TG__W(minq)(TG__K(129.0f), TG__W(maxq)(TG__K(-151.0f), x));
    t = TG__ADD(x, TG__K(12582912.0f));
    k = TG__SUB(t, TG__K(12582912.0f));
    r = TG__SUB(x, k);
    t = TG__H7(r, 1.33598332e-05f, 0.00015461391f, 0.00133419549f, 0.00961805694f, 0.0555040054f, 0.240226507f,
        0.693147182f);
    return TG__W(scale)(TG__FMA(t, r, TG__K(1.0f)), k);
}
TG__INLINE TG__V TG__W(expm1)(TG__V x) {
    TG__V y = TG__W(minq)(TG__K(89.0f), TG__W(maxq)(TG__K(-30.0f), x)), t, k, h, r, c, n;
    t = TG__FMA(y, TG__K(1.44269502f), TG__K(12582912.0f));
    TG__BARRIER(t);
    k = TG__SUB(t, TG__K(12582912.0f));
    h = TG__FNMA(k, TG__K(0.693145752f), y);
    r = TG__FNMA(k, TG__K(1.42860677e-06f), h);
    c = TG__FNMA(k, TG__K(1.42860677e-06f), TG__SUB(h, r));
    r = TG__ADD(r, TG__FMA(TG__MUL(r, r), TG__W(expq)(r), c));
    n = TG__W(pow2)(TG__W(maxq)(TG__K(-126.0f), TG__SUB(TG__K(0.0f), k)));
    return TG__W(copysign)(TG__W(scale)(TG__ADD(TG__SUB(TG__K(1.0f), n), r), k), x);
}

/* log(1+f) = f - f^2/2 + f^3 P(f), 1 + f in [sqrt(1/2), sqrt(2)): minimax of degree 7, 2^-27. log 0.84 ulp */
TG__INLINE TG__V TG__W(logsum)(TG__V f, TG__V k) {               /* k ln2 + log(1 + f) */
    TG__V z = TG__MUL(f, f), y;
    y = TG__H8(f, -0.0763478652f, 0.127618358f, -0.131601915f, 0.142017215f, -0.166233525f, 0.200012282f,
        -0.250008225f, 0.333333313f);
    y = TG__FMA(TG__MUL(f, z), y, TG__MUL(k, TG__K(1.42860677e-06f)));
    y = TG__FNMA(TG__K(0.5f), z, y);
    return TG__FMA(k, TG__K(0.693145752f), TG__ADD(f, y));
}
TG__INLINE TG__V TG__W(log)(TG__V x) {
    TG__M tiny = TG__W(lt)(x, TG__K(1.17549435e-38f));
    TG__VI i = TG__W(bits)(TG__SEL(tiny, TG__MUL(x, TG__K(8388608.0f)), x)), base = TG__W(iset)(0x3f3504f3), n;
    TG__V k, f;
    i = TG__W(isub)(i, base);
    n = TG__W(isar)(i, 23);
    f = TG__SUB(TG__W(frombits)(TG__W(iadd)(TG__W(isub)(i, TG__W(ishl)(n, 23)), base)), TG__K(1.0f));
    k = TG__ADD(TG__W(i2f)(n), TG__SEL(tiny, TG__K(-23.0f), TG__K(0.0f)));
    return TG__W(logends)(x, TG__W(logsum)(f, k));
}

/* sin, cos: |x| = k pi/2 + r, pi/2 in three parts of 24 bits; the fused steps leave no error but the last rounding.
   sin r = r + r^3 P(r^2), minimax of degree 2, 2^-27; cos r = 1 - r^2/2 + r^4 P(r^2), degree 2, 2^-32, |r| <= 0.8.
   From 1e5 on lane by lane; without a fused multiply-add the reduction is done in double. 1.52 ulp */
TG__PRIVATE TG__V TG__W(trighuge)(TG__V x, TG__V y, TG__M which, int what) {
    float a[TG__VN_F32], b[TG__VN_F32], c[TG__VN_F32]; int i;
    TG__W(store)(a, x); TG__W(store)(b, y); TG__W(store)(c, TG__SEL(which, TG__K(1.0f), TG__K(0.0f)));
    for (i = 0; i < TG__VN_F32; i++) if (c[i] != 0) b[i] = (float)tg__trig_huge((double)a[i], what);
    return TG__W(load)(b);
}
TG__INLINE TG__V TG__W(trig)(TG__V x, int what) {
    TG__V a = TG__W(abs)(x), t = TG__FMA(a, TG__K(0.636619747f), TG__K(12582912.0f)), k, r, z, s, c;
    TG__VI q = TG__W(bits)(t), one = TG__W(iset)(1);
    TG__M big = TG__W(mnot)(TG__W(lt)(a, TG__K(1e5f)));
    TG__BARRIER(t);
    k = TG__SUB(t, TG__K(12582912.0f));
#if defined(TG__PASS_PLAIN)
    r = (float)(((double)a - (double)k * 1.5707963267341256) - (double)k * 6.077100506506192e-11);
#else
    r = TG__FNMA(k, TG__K(1.57079625f), a);
    r = TG__FNMA(k, TG__K(7.5497894e-08f), r);
    r = TG__FNMA(k, TG__K(5.39030253e-15f), r);
#endif
    z = TG__MUL(r, r);
    s = TG__FMA(TG__MUL(r, z), TG__H3(z, -0.000195056273f, 0.00833209604f, -0.166666538f), r);
    c = TG__FMA(TG__H4(z, 2.44282073e-05f, -0.00138872885f, 0.0416666456f, -0.5f), z, TG__K(1.0f));
    if (what) q = TG__W(iadd)(q, one);
    r = TG__SEL(TG__W(ieq)(TG__W(iand)(q, one), one), c, s);
    q = TG__W(ishl)(TG__W(ishr)(q, 1), 31);
    if (!what) q = TG__W(ixor)(q, TG__W(signbit)(x));
    r = TG__W(flip)(r, q);
    if (TG__W(many)(big)) r = TG__W(trighuge)(x, r, big, what);
    return r;
}
TG__INLINE TG__V TG__W(sin)(TG__V x) { return TG__W(trig)(x, 0); }
TG__INLINE TG__V TG__W(cos)(TG__V x) { return TG__W(trig)(x, 1); }
TG__PRIVATE TG__V TG__W(tan)(TG__V x) {
    TG__V a = TG__W(abs)(x), r = TG__W(flip)(TG__WIDE1(tanbrief, a), TG__W(signbit)(x));
    TG__M big = TG__W(mnot)(TG__W(lt)(a, TG__K(1e5f)));
    if (TG__W(many)(big)) r = TG__W(trighuge)(x, r, big, 2);
    return r;
}

/* tanh below 0.625: x + x^3 P(x^2), minimax of degree 4, 2^-27; above 1 - 2 / (e^2a + 1), 1 from 10 on. 1.33 ulp */
TG__INLINE TG__V TG__W(tanh)(TG__V x) {
    TG__V a = TG__W(abs)(x), z = TG__MUL(a, a), y = TG__W(minq)(TG__K(20.0f), TG__ADD(a, a)), k, p, t;
    t = TG__H5(z, -0.00571406353f, 0.0206480622f, -0.0537427738f, 0.133314833f, -0.333332837f);
    t = TG__FMA(TG__MUL(a, z), t, a);
    p = TG__W(expreduce)(y, &k);
    z = TG__W(pow2)(k);
    p = TG__ADD(TG__FMA(z, p, z), TG__K(1.0f));
    p = TG__SUB(TG__K(1.0f), TG__DIV(TG__K(2.0f), p));
    return TG__W(copysign)(TG__SEL(TG__W(lt)(a, TG__K(0.625f)), t, p), x);
}
TG__INLINE TG__V TG__W(expminus)(TG__V x) {                      /* e^-|x| */
    TG__V k, p = TG__W(expreduce)(TG__W(maxq)(TG__K(-104.0f), TG__W(neg)(TG__W(abs)(x))), &k);
    return TG__W(scale)(TG__ADD(TG__K(1.0f), p), k);
}
TG__INLINE TG__V TG__W(sigmoid)(TG__V x) {                        /* 2.3 ulp */
    TG__V e = TG__W(expminus)(x);
    return TG__DIV(TG__SEL(TG__W(lt)(x, TG__K(0.0f)), e, TG__K(1.0f)), TG__ADD(TG__K(1.0f), e));
}
/* log(1 + e), 0 <= e <= 1: either f = e, or halved, f = (e - 1)/2, which is exact. softplus, logsigmoid 1.7 ulp,
   rsqrt 1.5 */
TG__INLINE TG__V TG__W(log1pexp)(TG__V x) {
    TG__V e = TG__W(expminus)(x);
    TG__M up = TG__W(gt)(e, TG__K(0.41421354f));
    return TG__W(logsum)(TG__SEL(up, TG__FMA(TG__K(0.5f), e, TG__K(-0.5f)), e),
        TG__SEL(up, TG__K(1.0f), TG__K(0.0f)));
}
TG__INLINE TG__V TG__W(softplus)(TG__V x)   { return TG__ADD(TG__W(maxq)(TG__K(0.0f), x), TG__W(log1pexp)(x)); }
TG__INLINE TG__V TG__W(logsigmoid)(TG__V x) { return TG__SUB(TG__W(minq)(TG__K(0.0f), x), TG__W(log1pexp)(x)); }
TG__INLINE TG__V TG__W(rsqrt)(TG__V x)      { return TG__DIV(TG__K(1.0f), TG__W(sqrt)(x)); }

/* erf below 0.9: x + x P(x^2), minimax of degree 5, 2^-26; above 1 - e^G(x), G minimax of log erfc, degree 6,
   2^-29, 1 from 4 on. 1.11 ulp (plain 1.31) */
TG__INLINE TG__V TG__W(erf)(TG__V x) {
    TG__V a = TG__W(abs)(x), z = TG__MUL(a, a), b = TG__W(minq)(TG__K(4.0f), a), p, g, k;
    p = TG__H6(z, -0.000602079963f, 0.00499895914f, -0.026770493f, 0.112819217f, -0.376125038f, 0.128379151f);
    p = TG__FMA(a, p, a);
    g = TG__H7(b, 0.00019821625f, -0.0030654599f, 0.0223151017f, -0.104113467f, -0.636976302f, -1.12779713f,
        -0.000166472688f);
    g = TG__W(expreduce)(g, &k);
    g = TG__FNMA(TG__W(pow2)(k), TG__ADD(TG__K(1.0f), g), TG__K(1.0f));
    return TG__W(copysign)(TG__SEL(TG__W(lt)(a, TG__K(0.9f)), p, g), x);
}
/* ---- normal distribution in float ----
   G(a): the piece is chosen by the exponent and first mantissa bit of u = 1 + a; d = a - centre is the caller's.
   ndtr 1.6 ulp (plain 1.9), erfc 1.75, relative, to the last subnormal. */
TG__INLINE TG__VI TG__W(millspiece)(TG__V u)
{ return TG__W(ishr)(TG__W(isub)(TG__W(bits)(u), TG__W(iset)(0x3f800000)), 22); }
TG__INLINE TG__V TG__W(mills)(TG__V d, TG__VI i) {
    TG__V p = TG__FMA(TG__W(table8)(tg__mills[1], i), d, TG__W(table8)(tg__mills[2], i));
    p = TG__FMA(p, d, TG__W(table8)(tg__mills[3], i));
    p = TG__FMA(p, d, TG__W(table8)(tg__mills[4], i));
    p = TG__FMA(p, d, TG__W(table8)(tg__mills[5], i));
    p = TG__FMA(p, d, TG__W(table8)(tg__mills[6], i));
    p = TG__FMA(p, d, TG__W(table8)(tg__mills[7], i));
    p = TG__FMA(p, d, TG__W(table8)(tg__mills[8], i));
    return TG__FMA(p, d, TG__W(table8)(tg__mills[9], i));
}
/* e^(y + yl) g 2^shift; the sum y + yl is the exact square, so the tail keeps its relative precision */
TG__INLINE TG__V TG__W(tail)(TG__V y, TG__V yl, TG__V g, TG__V shift) {
    TG__V t = TG__FMA(y, TG__K(1.44269502f), TG__K(12582912.0f)), k, h, r, c, z, q;
    TG__BARRIER(t);
    k = TG__SUB(t, TG__K(12582912.0f));
    h = TG__FNMA(k, TG__K(0.693145752f), y);
    r = TG__FNMA(k, TG__K(1.42860677e-06f), h);
    c = TG__ADD(TG__FNMA(k, TG__K(1.42860677e-06f), TG__SUB(h, r)), yl);
    z = TG__MUL(r, r); q = TG__W(expq)(r);
    c = TG__FMA(c, TG__FMA(z, q, r), c);                         /* d e^r = e^r dr; yl is too large for less */
    r = TG__ADD(r, TG__FMA(z, q, c));
    return TG__W(scale)(TG__FMA(g, r, g), TG__ADD(k, shift));
}
TG__INLINE TG__V TG__W(ndtr)(TG__V x) {
    TG__V a = TG__W(minq)(TG__K(14.6f), TG__W(abs)(x)), h = TG__MUL(a, a), m = TG__K(-0.5f), r;
    TG__VI i = TG__W(millspiece)(TG__ADD(a, TG__K(1.0f)));
    r = TG__W(mills)(TG__SUB(a, TG__W(table8)(tg__mills[0], i)), i);
    r = TG__W(tail)(TG__MUL(h, m), TG__MUL(TG__W(mullo)(a, a, h), m), r, TG__K(0.0f));
    return TG__SEL(TG__W(gt)(x, TG__K(0.0f)), TG__SUB(TG__K(1.0f), r), r);
}
TG__INLINE TG__V TG__W(sumerr)(TG__V a, TG__V b, TG__V s) {          /* a + b - s exactly, s the rounded sum */
    TG__V t = TG__SUB(s, a);
    return TG__ADD(TG__SUB(a, TG__SUB(s, t)), TG__SUB(b, t));
}
/* x sigmoid(u), u = 1.596 x + 0.0714 x^3. Where x is negative the result is x e^u, and an error in u is a
   relative error there: u is a pair. 2.4 ulp */
TG__INLINE TG__V TG__W(gelutanh)(TG__V x) {
    TG__V a = TG__W(minq)(TG__K(12.0f), TG__W(abs)(x)), z = TG__MUL(a, a),
        p = TG__MUL(z, TG__K(0.0713548139f)), t = TG__ADD(p, TG__K(1.59576917f)), u = TG__MUL(a, t), e;
    TG__V pl = TG__FMA(TG__W(mullo)(a, a, z), TG__K(0.0713548139f),
        TG__FMA(z, TG__K(2.39883247e-09f), TG__W(mullo)(z, TG__K(0.0713548139f), p)));
    TG__V tl = TG__ADD(TG__W(sumerr)(p, TG__K(1.59576917f), t), TG__ADD(pl, TG__K(-4.53406805e-08f)));
    e = TG__W(tail)(TG__W(neg)(u), TG__W(neg)(TG__FMA(a, tl, TG__W(mullo)(a, t, u))), TG__K(1.0f), TG__K(0.0f));
    return TG__MUL(x, TG__DIV(TG__SEL(TG__W(lt)(x, TG__K(0.0f)), e, TG__K(1.0f)), TG__ADD(TG__K(1.0f), e)));
}
/* erfc(x) = 2 ndtr(-sqrt(2) x); sqrt(2) as a pair */
TG__INLINE TG__V TG__W(erfc)(TG__V x) {
    TG__V a = TG__W(minq)(TG__K(10.3f), TG__W(abs)(x)), h = TG__MUL(a, a), d, r;
    TG__VI i = TG__W(millspiece)(TG__FMA(a, TG__K(1.41421354f), TG__K(1.0f)));
#if defined(TG__PASS_PLAIN)
    d = (float)((double)a * 1.4142135623730951 - (double)TG__W(table8)(tg__mills[0], i));
#else
    d = TG__FMA(a, TG__K(1.41421354f), TG__W(neg)(TG__W(table8)(tg__mills[0], i)));
    d = TG__FMA(a, TG__K(2.42032345e-08f), d);
#endif
    r = TG__W(mills)(d, i);
    r = TG__W(tail)(TG__W(neg)(h), TG__W(neg)(TG__W(mullo)(a, a, h)), r, TG__K(1.0f));
    return TG__SEL(TG__W(lt)(x, TG__K(0.0f)), TG__SUB(TG__K(2.0f), r), r);
}
#undef TG__WIDE1
#undef TG__WIDE2
#undef TG__D
#undef TG__POWENDS
#undef TG__T
#undef TG__V
#undef TG__M
#undef TG__VI
#undef TG__W
#undef TG__INF
#undef TG__NAN
#undef TG__ADD
#undef TG__SUB
#undef TG__MUL
#undef TG__DIV
#undef TG__FMA
#undef TG__FNMA
#undef TG__SEL
#undef TG__K
#undef TG__H2
#undef TG__H3
#undef TG__H4
#undef TG__H5
#undef TG__H6
#undef TG__H7
#undef TG__H8
#define TG__FT(name) TG__FN(name)
#endif /* !TG__T */

/* ======================================================================================
   >>pass-map    what the rows of the formula table become: one loop per value and per derivative
   A derivative's operands are g, then the inputs, then the result; those that it does not read point at g.
   ====================================================================================== */
#if defined(TG__T) && !(defined(TG__PASS_AVX512) && defined(TG__TYPE_F64) && !defined(TG__ONLY))

/* Python's remainder and floor division, through the exact fmod, as torch computes them. */
TG__INLINE TG__V TG__W(remainder)(TG__V a, TG__V b) {
    TG__V r = TG__W(fmod)(a, b), zero = TG__W(set)(0);
    TG__M other = TG__W(mand)(TG__W(ne)(r, zero), TG__W(mxor)(TG__W(lt)(r, zero), TG__W(lt)(b, zero)));
    return TG__W(select)(other, TG__W(add)(r, b), r);
}
TG__INLINE TG__V TG__W(floordiv)(TG__V a, TG__V b) {
    TG__V r = TG__W(fmod)(a, b), zero = TG__W(set)(0), one = TG__W(set)(1), q = TG__W(div)(TG__W(sub)(a, r), b), f;
    TG__M other = TG__W(mand)(TG__W(ne)(r, zero), TG__W(mxor)(TG__W(lt)(r, zero), TG__W(lt)(b, zero)));
    q = TG__W(select)(other, TG__W(sub)(q, one), q);
    f = TG__W(floor)(q);
    f = TG__W(select)(TG__W(gt)(TG__W(sub)(q, f), TG__W(set)((TG__T)0.5)), TG__W(add)(f, one), f);
    f = TG__W(select)(TG__W(eq)(q, zero), TG__W(copysign)(zero, TG__W(div)(a, b)), f);
    return TG__W(select)(TG__W(eq)(b, zero), TG__W(div)(a, b), f);
}
TG__INLINE TG__V TG__W(sign)(TG__V a) {
    TG__V zero = TG__W(set)(0);
    return TG__W(select)(TG__W(gt)(a, zero), TG__W(set)(1),
        TG__W(select)(TG__W(lt)(a, zero), TG__W(set)(-1), zero));
}

/* Gives a kernel whole vectors: a number that serves the run is spread over one, and what is left behind the
   last whole vector goes through one of its own. */
TG__PRIVATE void TG__FT(tg__map_run)(
    void (*fn)(int64_t, void *, const void *const *, const int64_t *, const double *), int operands, bool mask,
    int64_t n, void *y, const void *const *x, const int64_t *step, const double *p) {
    TG__T part[6][TG__VN];
    const void *from[5];
    const int64_t whole = n & -(int64_t)TG__VN, left = n - whole;
    int k;
    for (k = 0; k < operands; k++) {
        from[k] = x[k];
        if (step[k]) continue;
        TG__W(store)(part[k], TG__W(set)(*(const TG__T *)x[k]));
        from[k] = part[k];
    }
    if (whole) fn(whole, y, from, step, p);
    if (!left) return;
    for (k = 0; k < operands; k++) {
        if (!step[k]) continue;
        TG__W(store)(part[k], TG__W(loadn)((const TG__T *)x[k] + whole, (int)left));
        from[k] = part[k];
    }
    fn(TG__VN, part[5], from, step, p);
    if (mask) memcpy((uint8_t *)y + whole, part[5], (size_t)left);
    else TG__W(storen)((TG__T *)y + whole, TG__W(load)(part[5]), (int)left);
}

/* All NaNs of a result are made one. */
TG__PRIVATE void TG__FT(tg__map_settle)(int64_t n, void *at) {
    TG__T *y = (TG__T *)at;
    const TG__V nan = TG__W(set)((TG__T)tg__double(0x7ff8000000000000u));
    TG__V v;
    int64_t i = 0;
    for (; i + TG__VN <= n; i += TG__VN) {
        v = TG__W(load)(y + i);
        TG__W(store)(y + i, TG__W(select)(TG__W(isnan)(v), nan, v));
    }
    if (i == n) return;
    v = TG__W(loadn)(y + i, (int)(n - i));
    TG__W(storen)(y + i, TG__W(select)(TG__W(isnan)(v), nan, v), (int)(n - i));
}

#define NEG(v) TG__W(neg)(v)
#define ABS(v) TG__W(abs)(v)
#define SIGN(v) TG__W(sign)(v)
#define SQRT(v) TG__W(sqrt)(v)
#define RSQRT(v) TG__W(rsqrt)(v)
#define EXP(v) TG__W(exp)(v)
#define EXP2(v) TG__W(exp2)(v)
#define EXPM1(v) TG__W(expm1)(v)
#define LOG(v) TG__W(log)(v)
#define LOG2(v) TG__W(log2)(v)
#define LOG10(v) TG__W(log10)(v)
#define LOG1P(v) TG__W(log1p)(v)
#define SIN(v) TG__W(sin)(v)
#define COS(v) TG__W(cos)(v)
#define TAN(v) TG__W(tan)(v)
#define ASIN(v) TG__W(asin)(v)
#define ACOS(v) TG__W(acos)(v)
#define ATAN(v) TG__W(atan)(v)
#define ATAN2(v, w) TG__W(atan2)(v, w)
#define SINH(v) TG__W(sinh)(v)
#define COSH(v) TG__W(cosh)(v)
#define TANH(v) TG__W(tanh)(v)
#define ASINH(v) TG__W(asinh)(v)
#define ACOSH(v) TG__W(acosh)(v)
#define ATANH(v) TG__W(atanh)(v)
#define ERF(v) TG__W(erf)(v)
#define ERFC(v) TG__W(erfc)(v)
#define NDTR(v) TG__W(ndtr)(v)
#define SIGMOID(v) TG__W(sigmoid)(v)
#define LOGSIGMOID(v) TG__W(logsigmoid)(v)
#define SOFTPLUS(v) TG__W(softplus)(v)
#define FLOOR(v) TG__W(floor)(v)
#define CEIL(v) TG__W(ceil)(v)
#define ROUND(v) TG__W(round)(v)
#define TRUNC(v) TG__W(trunc)(v)
#define FMOD(v, w) TG__W(fmod)(v, w)
#define REMAINDER(v, w) TG__W(remainder)(v, w)
#define FLOORDIV(v, w) TG__W(floordiv)(v, w)
#define POW(v, w) TG__W(pow)(v, w)
#define ADD(v, w) TG__W(add)(v, w)
#define SUB(v, w) TG__W(sub)(v, w)
#define MUL(v, w) TG__W(mul)(v, w)
#define DIV(v, w) TG__W(div)(v, w)
#define MAX(v, w) TG__W(maxn)(v, w)
#define MIN(v, w) TG__W(minn)(v, w)
#define SELECT(m, v, w) TG__W(select)(m, v, w)
#define EQ(v, w) TG__W(eq)(v, w)
#define NE(v, w) TG__W(ne)(v, w)
#define LT(v, w) TG__W(lt)(v, w)
#define LE(v, w) TG__W(le)(v, w)
#define GT(v, w) TG__W(gt)(v, w)
#define GE(v, w) TG__W(ge)(v, w)
#define AND(v, w) TG__W(mand)(v, w)
#define OR(v, w) TG__W(mor)(v, w)
#define XOR(v, w) TG__W(mxor)(v, w)
#define ISNAN(v) TG__W(isnan)(v)
#define ISINF(v) TG__W(isinf)(v)
#define ISFINITE(v) TG__W(isfinite)(v)
#define K(v) TG__W(set)((TG__T)(v))
#define ZERO TG__W(set)(0)
#define ONE TG__W(set)(1)
#define HALF K(0.5)
#define P0 TG__W(set)((TG__T)p[0])
#define P1 TG__W(set)((TG__T)p[1])
#define GELU_TANH(v) TG__W(gelutanh)(v)
/* gelu's tanh formula, x (1 + tanh(u / 2)) / 2 = x sigmoid(u): u = 2 sqrt(2 / pi) (x + 0.044715 x^3), and its
   derivative */
#define GELU_U(v) TG__W(mul)(v, TG__W(fma)(TG__W(mul)(v, v), K(0.07135481627159955), K(1.5957691216057308)))
#define GELU_DU(v) TG__W(fma)(TG__W(mul)(v, v), K(0.21406444881479865), K(1.5957691216057308))

#define TG__MAP_OPERAND(k, q) const TG__T *q##p = (const TG__T *)x_[k]; const int64_t q##m = step[k];
#define TG__MAP(name, open, loads, store) \
    TG__PRIVATE void TG__FT(name)(int64_t n, void *y_, const void *const *x_, const int64_t *step, const double *p) { \
        int64_t i; open \
        for (i = 0; i < n; i += TG__VN) { loads store } \
        (void)p; }
#define TG__MAP_VALUE(name, open, loads, value) TG__MAP(name, open, loads, TG__W(store)((TG__T *)y_ + i, value);)
#define TG__MAP_MASK(name, open, loads, value) TG__MAP(name, open, loads, TG__W(storeb)((uint8_t *)y_ + i, value);)

#define TG__KIND_SAME TG__MAP_VALUE
#define TG__KIND_NUMERIC TG__MAP_VALUE
#define TG__KIND_COUNTING TG__MAP_VALUE
#define TG__KIND_FLOATING TG__MAP_VALUE
#define TG__KIND_FLOAT_ONLY TG__MAP_VALUE
#define TG__KIND_CHOOSE TG__MAP_VALUE
#define TG__KIND_PREDICATE TG__MAP_MASK

#define TG__EACH1(X) X(0, x)
#define TG__EACH2(X) X(0, a) X(1, b)
#define TG__EACH3(X) X(0, a) X(1, b) X(2, c)
#define TG__EACH_D1(X) X(0, g) X(1, x) X(2, y)
#define TG__EACH_D2(X) X(0, g) X(1, a) X(2, b) X(3, y)
#define TG__EACH_D3(X) X(0, g) X(1, a) X(2, b) X(3, c) X(4, y)
#define TG__MAP_READ(k, q) TG__V q = TG__W(load)(q##p + (i & q##m)); (void)q;
#define TG__VALUE(n, types, name, value) TG__KIND_##types(name, TG__EACH##n(TG__MAP_OPERAND), TG__EACH##n(TG__MAP_READ), value)
#define TG__DERIV(n, name, value) TG__MAP_VALUE(name, TG__EACH_D##n(TG__MAP_OPERAND), TG__EACH_D##n(TG__MAP_READ), value)

#define F1(name, types, saves, value, dx, domain, doc) TG__VALUE(1, types, name##_v, value) TG__DERIV(1, name##_d0, dx)
#define F1P(name, numbers, types, saves, value, dx, domain, doc) F1(name, types, saves, value, dx, domain, doc)
#define F2(name, types, saves, value, da, db, domain, doc) TG__VALUE(2, types, name##_v, value) TG__DERIV(2, name##_d0, da) TG__DERIV(2, name##_d1, db)
#define F2P(name, numbers, types, saves, value, da, db, domain, doc) F2(name, types, saves, value, da, db, domain, doc)
#define F3(name, types, saves, value, da, db, dc, domain, doc) \
    TG__VALUE(3, types, name##_v, value) TG__DERIV(3, name##_d0, da) TG__DERIV(3, name##_d1, db) TG__DERIV(3, name##_d2, dc)
#define F3P(name, numbers, types, saves, value, da, db, dc, domain, doc) F3(name, types, saves, value, da, db, dc, domain, doc)
TG_FORMULAS(F1, F1P, F2, F2P, F3, F3P)

#undef NEG
#undef ABS
#undef SIGN
#undef SQRT
#undef RSQRT
#undef EXP
#undef EXP2
#undef EXPM1
#undef LOG
#undef LOG2
#undef LOG10
#undef LOG1P
#undef SIN
#undef COS
#undef TAN
#undef ASIN
#undef ACOS
#undef ATAN
#undef ATAN2
#undef SINH
#undef COSH
#undef TANH
#undef ASINH
#undef ACOSH
#undef ATANH
#undef ERF
#undef ERFC
#undef NDTR
#undef SIGMOID
#undef LOGSIGMOID
#undef SOFTPLUS
#undef FLOOR
#undef CEIL
#undef ROUND
#undef TRUNC
#undef FMOD
#undef REMAINDER
#undef FLOORDIV
#undef POW
#undef ADD
#undef SUB
#undef MUL
#undef DIV
#undef MAX
#undef MIN
#undef SELECT
#undef EQ
#undef NE
#undef LT
#undef LE
#undef GT
#undef GE
#undef AND
#undef OR
#undef XOR
#undef ISNAN
#undef ISINF
#undef ISFINITE
#undef K
#undef ZERO
#undef ONE
#undef HALF
#undef P0
#undef P1
#undef GELU_TANH
#undef GELU_U
#undef GELU_DU
#undef TG__MAP_OPERAND
#undef TG__MAP_READ
#undef TG__MAP
#undef TG__MAP_VALUE
#undef TG__MAP_MASK
#undef TG__KIND_SAME
#undef TG__KIND_NUMERIC
#undef TG__KIND_COUNTING
#undef TG__KIND_FLOATING
#undef TG__KIND_FLOAT_ONLY
#undef TG__KIND_CHOOSE
#undef TG__KIND_PREDICATE
#undef TG__EACH1
#undef TG__EACH2
#undef TG__EACH3
#undef TG__EACH_D1
#undef TG__EACH_D2
#undef TG__EACH_D3
#undef TG__VALUE
#undef TG__DERIV
#undef F1
#undef F1P
#undef F2
#undef F2P
#undef F3
#undef F3P
#endif /* map */

/* ======================================================================================
   >>pass-reduce    runs and columns to sums, products, largest and smallest; rows of softmax and cross-entropy
   A run is reduced over 64 virtual lanes, element i to lane i mod 64, folded 32, 16, ... 1: the same bits for
   every vector width.
   ====================================================================================== */
#if defined(TG__LEVELS) && !defined(TG__LESS_EFFORT)   /* many short loops, whose counters are felt */
#pragma GCC push_options
#pragma GCC optimize("tree-loop-optimize", "tree-dominator-opts")
#endif
#if defined(TG__T)

#define TG__LANES 64
#if defined(__clang__)
#define TG__UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__) && __GNUC__ >= 8 && !defined(__CUDACC__)
#define TG__UNROLL _Pragma("GCC unroll 16")
#else
#define TG__UNROLL
#endif

/* `n` below 64 is folded from the next power of two: the lanes that would hold the neutral number change
   nothing. */
#define TG__REDUCE_RUN(name, neutral, op, scalar) \
    TG__PRIVATE TG__T TG__FT(name)(int64_t n, const TG__T *x) { \
        TG__T lane[TG__LANES]; \
        int64_t i = 0, r; \
        int half = TG__LANES / 2, j; \
        if (n < TG__LANES) { \
            for (half = 1; half < n; half *= 2) { } \
            for (j = 0; j < half; j++) lane[j] = j < n ? x[j] : (TG__T)(neutral); \
            half /= 2; \
        } else { \
            TG__V acc[TG__LANES / TG__VN]; \
            TG__UNROLL for (j = 0; j < TG__LANES / TG__VN; j++) acc[j] = TG__W(load)(x + j * TG__VN); \
            for (i = TG__LANES; i + TG__LANES <= n; i += TG__LANES) { \
                TG__UNROLL for (j = 0; j < TG__LANES / TG__VN; j++) acc[j] = op(acc[j], TG__W(load)(x + i + j * TG__VN)); \
            } \
            TG__UNROLL for (j = 0; j < TG__LANES / TG__VN; j++) TG__W(store)(lane + j * TG__VN, acc[j]); \
            for (r = 0; i + r < n; r++) { TG__T a = lane[r], b = x[i + r]; lane[r] = scalar; } \
        } \
        for (; half >= TG__VN; half /= 2) for (j = 0; j < half; j += TG__VN) TG__W(store)(lane + j, op(TG__W(load)(lane + j), TG__W(load)(lane + j + half))); \
        for (; half > 0; half /= 2) for (j = 0; j < half; j++) { TG__T a = lane[j], b = lane[j + half]; lane[j] = scalar; } \
        return lane[0]; \
    }
/* y[j] = y[j] op x[0][j] op x[1][j] ...: rows in order */
#define TG__REDUCE_COLUMNS(name, op) \
    TG__PRIVATE void TG__FT(name)(int64_t rows, int64_t n, TG__T *y, const TG__T *x, int64_t stride) { \
        int64_t j = 0, r; \
        for (; j + 4 * TG__VN <= n; j += 4 * TG__VN) { \
            TG__V a = TG__W(load)(y + j), b = TG__W(load)(y + j + TG__VN), c = TG__W(load)(y + j + 2 * TG__VN), d = TG__W(load)(y + j + 3 * TG__VN); \
            const TG__T *p = x + j; \
            for (r = 0; r < rows; r++, p += stride) { \
                a = op(a, TG__W(load)(p)); b = op(b, TG__W(load)(p + TG__VN)); c = op(c, TG__W(load)(p + 2 * TG__VN)); d = op(d, TG__W(load)(p + 3 * TG__VN)); \
            } \
            TG__W(store)(y + j, a); TG__W(store)(y + j + TG__VN, b); TG__W(store)(y + j + 2 * TG__VN, c); TG__W(store)(y + j + 3 * TG__VN, d); \
        } \
        for (; j + TG__VN <= n; j += TG__VN) { \
            TG__V a = TG__W(load)(y + j); \
            for (r = 0; r < rows; r++) a = op(a, TG__W(load)(x + r * stride + j)); \
            TG__W(store)(y + j, a); \
        } \
        if (j < n) { \
            TG__V a = TG__W(loadn)(y + j, (int)(n - j)); \
            for (r = 0; r < rows; r++) a = op(a, TG__W(loadn)(x + r * stride + j, (int)(n - j))); \
            TG__W(storen)(y + j, a, (int)(n - j)); \
        } \
    }

TG__REDUCE_RUN(tg__run_sum, 0, TG__W(add), a + b)
TG__REDUCE_RUN(tg__run_prod, 1, TG__W(mul), a * b)
/* through the words: gcc's -Ofast breaks scalar comparisons with NaN */
TG__INLINE TG__T TG__FT(tg__max2)(TG__T a, TG__T b) {
    TG__T v[TG__VN];
    TG__W(store)(v, TG__W(maxn)(TG__W(set)(a), TG__W(set)(b)));
    return v[0];
}
TG__INLINE TG__T TG__FT(tg__min2)(TG__T a, TG__T b) {
    TG__T v[TG__VN];
    TG__W(store)(v, TG__W(minn)(TG__W(set)(a), TG__W(set)(b)));
    return v[0];
}
TG__REDUCE_RUN(tg__run_max, x[0], TG__W(maxn), TG__FT(tg__max2)(a, b))
TG__REDUCE_RUN(tg__run_min, x[0], TG__W(minn), TG__FT(tg__min2)(a, b))
TG__REDUCE_COLUMNS(tg__columns_sum, TG__W(add))
TG__REDUCE_COLUMNS(tg__columns_prod, TG__W(mul))
TG__REDUCE_COLUMNS(tg__columns_max, TG__W(maxn))
TG__REDUCE_COLUMNS(tg__columns_min, TG__W(minn))

/* Where does v stand first? v came out of the run; NaN is found too. */
TG__PRIVATE int64_t TG__FT(tg__run_find)(int64_t n, const TG__T *x, TG__T v) {
    int64_t i = 0;
    TG__V w = TG__W(set)(v);
    bool nan = TG__W(many)(TG__W(isnan)(w)) != 0;
    for (; i + TG__VN <= n; i += TG__VN) {
        TG__V a = TG__W(load)(x + i);
        if (TG__W(many)(nan ? TG__W(isnan)(a) : TG__W(eq)(a, w))) break;
    }
    for (; i < n; i++) {
        TG__V a = TG__W(set)(x[i]);
        if (TG__W(many)(nan ? TG__W(isnan)(a) : TG__W(eq)(a, w))) return i;
    }
    return 0;
}

/* The sum of exp(x - top) over a run, in tg__run_sum's order. */
TG__PRIVATE TG__T TG__FT(tg__run_exp_sum)(int64_t n, const TG__T *x, TG__T top) {
    TG__V acc[TG__LANES / TG__VN], m = TG__W(set)(top);
    TG__T lane[TG__LANES];
    int64_t i = 0;
    int j;
    TG__UNROLL for (j = 0; j < TG__LANES / TG__VN; j++) acc[j] = TG__W(set)(0);
    for (; i + TG__LANES <= n; i += TG__LANES) {
        TG__UNROLL for (j = 0; j < TG__LANES / TG__VN; j++)
            acc[j] = TG__W(add)(acc[j], TG__W(exp)(TG__W(sub)(TG__W(load)(x + i + j * TG__VN), m)));
    }
    if (i < n) {                                                     /* lanes past the end add exp(-1e30), which is 0 */
        for (j = 0; j < TG__LANES; j++) lane[j] = i + j < n ? x[i + j] - top : -(TG__T)1e30;
        for (j = 0; j < TG__LANES / TG__VN; j++)
            acc[j] = TG__W(add)(acc[j], TG__W(exp)(TG__W(load)(lane + j * TG__VN)));
    }
    for (j = 0; j < TG__LANES / TG__VN; j++) TG__W(store)(lane + j * TG__VN, acc[j]);
    return TG__FT(tg__run_sum)(TG__LANES, lane);
}
TG__INLINE TG__T TG__FT(tg__log1)(TG__T v) {                         /* the logarithm of one number */
    TG__T lane[TG__VN];
    TG__W(store)(lane, TG__W(log)(TG__W(set)(v)));
    return lane[0];
}

/* One row of softmax, or of its logarithm: y may be x. */
TG__PRIVATE void TG__FT(tg__softmax_row)(int64_t n, TG__T *y, const TG__T *x, bool log) {
    const TG__T top = TG__FT(tg__run_max)(n, x);
    const TG__V m = TG__W(set)(top);
    TG__V s;
    int64_t i = 0;
    if (log) {
        s = TG__W(set)(TG__FT(tg__log1)(TG__FT(tg__run_exp_sum)(n, x, top)));
        for (; i + TG__VN <= n; i += TG__VN)
            TG__W(store)(y + i, TG__W(sub)(TG__W(sub)(TG__W(load)(x + i), m), s));
        if (i < n)
            TG__W(storen)(y + i, TG__W(sub)(TG__W(sub)(TG__W(loadn)(x + i, (int)(n - i)), m), s), (int)(n - i));
        return;
    }
    for (; i + TG__VN <= n; i += TG__VN) TG__W(store)(y + i, TG__W(exp)(TG__W(sub)(TG__W(load)(x + i), m)));
    if (i < n) TG__W(storen)(y + i, TG__W(exp)(TG__W(sub)(TG__W(loadn)(x + i, (int)(n - i)), m)), (int)(n - i));
    s = TG__W(div)(TG__W(set)(1), TG__W(set)(TG__FT(tg__run_sum)(n, y)));
    for (i = 0; i + TG__VN <= n; i += TG__VN) TG__W(store)(y + i, TG__W(mul)(TG__W(load)(y + i), s));
    if (i < n) TG__W(storen)(y + i, TG__W(mul)(TG__W(loadn)(y + i, (int)(n - i)), s), (int)(n - i));
}

/* One row of cross-entropy: returns the loss of class c, writes the largest logit and the sum of exp(x - largest). */
TG__PRIVATE TG__T TG__FT(tg__entropy_row)(int64_t n, const TG__T *x, int64_t c, TG__T *row) {
    row[0] = TG__FT(tg__run_max)(n, x);
    row[1] = TG__FT(tg__run_exp_sum)(n, x, row[0]);
    return TG__FT(tg__log1)(row[1]) - (x[c] - row[0]);
}
/* Its derivative: y = (softmax(x) - 1 at class c) * g, from the numbers of the row above; y may be x. */
TG__PRIVATE void TG__FT(tg__entropy_back_row)(int64_t n, TG__T *y, const TG__T *x, int64_t c,
    const TG__T *row, TG__T g) {
    const TG__V m = TG__W(set)(row[0]), s = TG__W(set)(g / row[1]);
    int64_t i = 0;
    for (; i + TG__VN <= n; i += TG__VN)
        TG__W(store)(y + i, TG__W(mul)(TG__W(exp)(TG__W(sub)(TG__W(load)(x + i), m)), s));
    if (i < n)
        TG__W(storen)(y + i, TG__W(mul)(TG__W(exp)(TG__W(sub)(TG__W(loadn)(x + i, (int)(n - i)), m)), s),
            (int)(n - i));
    y[c] -= g;
}
#undef TG__LANES
#undef TG__REDUCE_RUN
#undef TG__REDUCE_COLUMNS
#endif
#if defined(TG__LEVELS) && !defined(TG__LESS_EFFORT)
#pragma GCC pop_options
#endif

/* ======================================================================================
   >>pass-gemm    matrix products: register tiles, packing, reductions, the last step
   Read once per pass without TG__T (integer and bf16 dot products), then once for float and once for double;
   TG__TYPE_F32 is defined while TG__T is float. Knows pointers, counts and strides; >>impl-gemm cuts the work
   and chooses the path.

   The order of summation is part of the interface and the same in every pass:
   - in order: K is cut into blocks of 512. A block sums k upward with FMA from zero; block sums are added in
     block order.
   - reduction: K is cut into blocks of 4096. In a block element i goes to lane i mod 64 with FMA, k upward from
     zero; K is padded with zeros to a multiple of 64; lanes are folded, lane j += lane j + 32, then 16, 8, 4,
     2, 1; block sums are added in block order.
   tg__gemm_is_reduction in >>impl-gemm chooses, by (m, n, k) of one matrix alone. Then, once: + bias, c + that,
   rounding to c's type.
   Tests: tests/golden.c, tests/test_bits.c
   ====================================================================================== */
#ifdef TG__LEVELS                                      /* tiles are unrolled by hand: nothing is left to find */
#pragma GCC push_options
#pragma GCC optimize("Og", "no-fast-math", "fp-contract=off")
#endif

#ifndef TG__GEMM_ONCE
#define TG__GEMM_ONCE
#define TG__GEMM_KB  512       /* k-block of products in order           */
#define TG__GEMM_RB  4096      /* k-block of reductions, multiple of 64  */
#define TG__GEMM_SET  0        /* d = sum                                */
#define TG__GEMM_ADD  1        /* d = d + sum                            */
/* How elements are stored, seen from the type a kernel computes in. */
#define TG__GEMM_OWN  0
#define TG__GEMM_BF16 1
#define TG__GEMM_F16  2
/* A tile's rows, each a set of named registers: X(0) X(1) ... */
#define TG__G_R1(X)  X(0)
#define TG__G_R2(X)  TG__G_R1(X) X(1)
#define TG__G_R3(X)  TG__G_R2(X) X(2)
#define TG__G_R4(X)  TG__G_R3(X) X(3)
#define TG__G_R5(X)  TG__G_R4(X) X(4)
#define TG__G_R6(X)  TG__G_R5(X) X(5)
#define TG__G_R7(X)  TG__G_R6(X) X(6)
#define TG__G_R8(X)  TG__G_R7(X) X(7)
#define TG__G_R10(X) TG__G_R8(X) X(8) X(9)
#define TG__G_R12(X) TG__G_R10(X) X(10) X(11)
#define TG__G_R14(X) TG__G_R12(X) X(12) X(13)

/* One piece of a product as kernels see it. Strides in elements of the stored type. */
typedef struct tg__gemm_part {
    int64_t m, n, k;
    const void *a, *b;                       /* a [m, k], b [k, n] */
    int64_t a_rs, a_cs, b_rs, b_cs;
    int     ka, kb;                          /* TG__GEMM_OWN ... */
    void   *d; int64_t d_rs;                 /* [m, n] of the type computed in; columns stand side by side */
    bool    add;                             /* the first block sum is added to d */
    bool    pack_a, pack_b;
    int64_t ks;                              /* k packed at once */
    /* b is read once, in long runs; k <= TG__GEMM_KB, nothing packed, not add */
    bool    stream;
    void   *work;
    int64_t a_step, b_step;                  /* block kernel: elements from one packed panel to the next */
} tg__gemm_part;

/* From sums to the result. */
typedef struct tg__gemm_last {
    int64_t m, n;
    const void *s; int64_t s_rs;             /* sums, of the type computed in */
    /* s holds parts x tree partial sums; tree is 1, or 8 or 32 to be folded */
    int64_t parts, part_step; int tree;
    const void *bias; int64_t bias_rs, bias_cs;
    void   *c; int64_t c_rs, c_cs; int kc;
    bool    accumulate;
} tg__gemm_last;
#endif

#if !defined(TG__T)

/* -------------------------------------------------------------------- words of k ----
   Dot product instructions take a word of 32 bits that holds g consecutive k: 4 bytes, or 2 of bf16 or i16.
   Panels of words are packed like panels of floats: a [k/g][MR], b [k/g][NR], both padded with zeros to whole
   tiles, so there is one kernel for each instruction:
     1  bf16 pairs, AVX512_BF16. Its rounding is its own and it flushes denormals: not in strict mode.
     2  unsigned x signed bytes, AVX512_VNNI or AVX_VNNI
     3  bytes widened to i16 pairs, multiply and add: AVX-512BW, AVX2
   Signed x signed bytes: a is packed as a + 128, and 128 * (column sum of b), which stands behind b's panel, is
   taken off again.
   tg__gemm_words_op says which of them this pass has (0: none; type 0 bf16, 1 bytes). */
#ifndef TG__GEMM_WORDS_ONCE
#define TG__GEMM_WORDS_ONCE
#define TG__GEMM_DOT_BF16 1
#define TG__GEMM_DOT_BYTES 2
#define TG__GEMM_DOT_I16 3
#endif
#undef TG__G_WMR
#undef TG__G_WNR
#if defined(TG__PASS_AVX512)
#define TG__G_WMR 14
#define TG__G_WNR 32
#elif defined(TG__PASS_AVX2)
#define TG__G_WMR 6
#define TG__G_WNR 16
#endif

TG__PRIVATE int TG__FN(tg__gemm_words_op)(int type, unsigned features) {
    (void)type; (void)features;
#if defined(TG__PASS_AVX512)
    if (type == 0) return features & TG__CPU_AVX512_BF16 ? TG__GEMM_DOT_BF16 : 0;
    return features & TG__CPU_AVX512_VNNI ? TG__GEMM_DOT_BYTES : TG__GEMM_DOT_I16;
#elif defined(TG__PASS_AVX2)
    if (type == 1) return features & TG__CPU_AVX_VNNI ? TG__GEMM_DOT_BYTES : TG__GEMM_DOT_I16;
    return 0;
#else
    return 0;
#endif
}

#if defined(TG__G_WMR)
/* d [m, n] = or += a b, m <= MR, n <= NR; `less` [NR] is taken off */
#undef TG__G_WARGS
#define TG__G_WARGS (int64_t k, const uint32_t *a, const uint32_t *b, const int32_t *less, void *d, int64_t d_rs, int64_t m, int64_t n, bool add)
#ifndef TG__G_WZ
#define TG__G_WZ(r) c##r##_0 = c##r##_1 = zero;
#define TG__G_WF(r) x = TG__G_WSET(a[r]); c##r##_0 = TG__G_WDOT(c##r##_0, x, b0); c##r##_1 = TG__G_WDOT(c##r##_1, x, b1);
#define TG__G_WD(r) TG__G_WV c##r##_0, c##r##_1;
#define TG__G_WS(r) if (r < m) { TG__G_WPUT(c##r##_0, r * d_rs, b0, m0) TG__G_WPUT(c##r##_1, r * d_rs + TG__G_WNR / 2, b1, m1) }
#define TG__G_WROWS(X) TG__G_WROWS_(TG__G_WMR, X)
#define TG__G_WROWS_(R, X) TG__G_WROWS__(R, X)
#define TG__G_WROWS__(R, X) TG__G_R##R(X)
#define TG__G_WBODY \
    const TG__G_WV zero = TG__G_WZERO; \
    TG__G_WV x, b0, b1; \
    TG__G_WROWS(TG__G_WD) \
    TG__G_WROWS(TG__G_WZ) \
    for (; k > 0; k--) { \
        b0 = TG__G_WLOAD(b); b1 = TG__G_WLOAD(b + TG__G_WNR / 2); \
        TG__G_WROWS(TG__G_WF) \
        a += TG__G_WMR; b += TG__G_WNR; \
    } \
    TG__G_WMASKS \
    TG__G_WLESS \
    TG__G_WROWS(TG__G_WS)
#endif
#undef TG__G_WV
#undef TG__G_WZERO
#undef TG__G_WLOAD
#undef TG__G_WSET
#undef TG__G_WMASKS
#undef TG__G_WLESS
#undef TG__G_WPUT
#undef TG__G_WDOT
#if defined(TG__PASS_AVX512)
#define TG__G_WMASKS \
    const __mmask16 m0 = (__mmask16)(n >= 16 ? 0xffff : (1 << n) - 1), m1 = (__mmask16)(n >= 32 ? 0xffff : n > 16 ? (1 << (n - 16)) - 1 : 0);
/* bf16 */
#define TG__G_WV __m512
#define TG__G_WZERO _mm512_setzero_ps()
#define TG__G_WLOAD(p) _mm512_loadu_ps(p)
#define TG__G_WSET(w) _mm512_castsi512_ps(_mm512_set1_epi32((int)(w)))
#define TG__G_WDOT(c, x, y) _mm512_dpbf16_ps(c, (__m512bh)(x), (__m512bh)(y))
#define TG__G_WLESS (void)less;
#define TG__G_WPUT(c, at, off, mask) { \
    float *e = (float *)d + (at); \
    _mm512_mask_storeu_ps(e, mask, add ? _mm512_add_ps(_mm512_maskz_loadu_ps(mask, e), c) : c); }
TG__TARGET("avx512f,avx512dq,avx512bw,avx512vl,avx512bf16,avx2,fma,f16c,bmi,bmi2")
TG__PRIVATE void TG__FN(tg__gemm_words_bf16) TG__G_WARGS { TG__G_WBODY }
#undef TG__G_WV
#undef TG__G_WZERO
#undef TG__G_WLOAD
#undef TG__G_WSET
#undef TG__G_WLESS
#undef TG__G_WPUT
#undef TG__G_WDOT
/* integers */
#define TG__G_WV __m512i
#define TG__G_WZERO _mm512_setzero_si512()
#define TG__G_WLOAD(p) _mm512_loadu_si512(p)
#define TG__G_WSET(w) _mm512_set1_epi32((int)(w))
#define TG__G_WLESS b0 = _mm512_loadu_si512(less); b1 = _mm512_loadu_si512(less + 16);
#define TG__G_WPUT(c, at, off, mask) { \
    int32_t *e = (int32_t *)d + (at); \
    c = _mm512_sub_epi32(c, off); \
    _mm512_mask_storeu_epi32(e, mask, add ? _mm512_add_epi32(_mm512_maskz_loadu_epi32(mask, e), c) : c); }
#define TG__G_WDOT(c, x, y) _mm512_dpbusd_epi32(c, x, y)
TG__TARGET("avx512f,avx512dq,avx512bw,avx512vl,avx512vnni,avx2,fma,f16c,bmi,bmi2")
TG__PRIVATE void TG__FN(tg__gemm_words_bytes) TG__G_WARGS { TG__G_WBODY }
#undef TG__G_WDOT
#define TG__G_WDOT(c, x, y) _mm512_add_epi32(c, _mm512_madd_epi16(x, y))
TG__PRIVATE void TG__FN(tg__gemm_words_i16) TG__G_WARGS { TG__G_WBODY }
#undef TG__G_WDOT
#else
#define TG__G_WMASKS \
    const __m256i count = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7); \
    const __m256i m0 = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), count), m1 = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n - 8), count);
#define TG__G_WV __m256i
#define TG__G_WZERO _mm256_setzero_si256()
#define TG__G_WLOAD(p) _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define TG__G_WSET(w) _mm256_set1_epi32((int)(w))
#define TG__G_WLESS b0 = _mm256_loadu_si256((const __m256i *)(const void *)less); b1 = _mm256_loadu_si256((const __m256i *)(const void *)(less + 8));
#define TG__G_WPUT(c, at, off, mask) { \
    int32_t *e = (int32_t *)d + (at); \
    c = _mm256_sub_epi32(c, off); \
    if (add) c = _mm256_add_epi32(_mm256_maskload_epi32(e, mask), c); \
    _mm256_maskstore_epi32(e, mask, c); }
#define TG__G_WDOT(c, x, y) _mm256_dpbusd_avx_epi32(c, x, y)
TG__TARGET("avx2,fma,f16c,bmi,bmi2,avxvnni")
TG__PRIVATE void TG__FN(tg__gemm_words_bytes) TG__G_WARGS { TG__G_WBODY }
#undef TG__G_WDOT
#define TG__G_WDOT(c, x, y) _mm256_add_epi32(c, _mm256_madd_epi16(x, y))
TG__PRIVATE void TG__FN(tg__gemm_words_i16) TG__G_WARGS { TG__G_WBODY }
#endif
#undef TG__G_WV
#undef TG__G_WZERO
#undef TG__G_WLOAD
#undef TG__G_WSET
#undef TG__G_WMASKS
#undef TG__G_WLESS
#undef TG__G_WPUT
#undef TG__G_WDOT

TG__INLINE uint32_t TG__FN(tg__gemm_word)(const uint8_t *p) { uint32_t w; memcpy(&w, p, 4); return w; }

/* One panel. size: bytes of an element; flip: 0x80 where a is packed as a + 128; is_signed matters for i16
   only. Steps in elements. */
TG__PRIVATE void TG__FN(tg__gemm_words_panel)(int op, int size, bool is_signed, uint8_t flip,
    const uint8_t *src, int64_t k_step, int64_t line, int64_t kc, int64_t n, uint32_t *out, int64_t width) {
    const int64_t g = op == TG__GEMM_DOT_BYTES ? 4 : 2, words = (kc + g - 1) / g;
    const __m128i flips = _mm_set1_epi8((char)flip), zero = _mm_setzero_si128();
    for (int64_t w = 0; w < words; w++, out += width) {
        const uint8_t *p = src + w * g * k_step * size;
        const int64_t have = kc - w * g < g ? kc - w * g : g;
        int64_t j = 0;
        if (have == g && line == 1 && op == TG__GEMM_DOT_BYTES) {
            for (; j + 16 <= n && j + 16 <= width; j += 16) {        /* 4 rows of 16 bytes become 16 words */
                const __m128i r0 = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(const void *)(p + j)), flips);
                const __m128i r1 =
                    _mm_xor_si128(_mm_loadu_si128((const __m128i *)(const void *)(p + j + k_step)), flips);
                const __m128i r2 =
                    _mm_xor_si128(_mm_loadu_si128((const __m128i *)(const void *)(p + j + 2 * k_step)), flips);
                const __m128i r3 =
                    _mm_xor_si128(_mm_loadu_si128((const __m128i *)(const void *)(p + j + 3 * k_step)), flips);
                const __m128i l01 = _mm_unpacklo_epi8(r0, r1), h01 = _mm_unpackhi_epi8(r0, r1),
                    l23 = _mm_unpacklo_epi8(r2, r3), h23 = _mm_unpackhi_epi8(r2, r3);
                __m128i *to = (__m128i *)(void *)(out + j);
                _mm_storeu_si128(to, _mm_unpacklo_epi16(l01, l23));
                _mm_storeu_si128(to + 1, _mm_unpackhi_epi16(l01, l23));
                _mm_storeu_si128(to + 2, _mm_unpacklo_epi16(h01, h23));
                _mm_storeu_si128(to + 3, _mm_unpackhi_epi16(h01, h23));
            }
        } else if (have == g && line == 1) {
            for (; j + 8 <= n && j + 8 <= width; j += 8) {           /* 2 rows of 8 become 8 words */
                __m128i r0, r1;
                if (size == 2) {
                    r0 = _mm_loadu_si128((const __m128i *)(const void *)(p + j * 2));
                    r1 = _mm_loadu_si128((const __m128i *)(const void *)(p + (j + k_step) * 2));
                } else {
                    r0 = _mm_loadl_epi64((const __m128i *)(const void *)(p + j));
                    r1 = _mm_loadl_epi64((const __m128i *)(const void *)(p + j + k_step));
                    r0 = is_signed ? _mm_cvtepi8_epi16(r0) : _mm_unpacklo_epi8(r0, zero);
                    r1 = is_signed ? _mm_cvtepi8_epi16(r1) : _mm_unpacklo_epi8(r1, zero);
                }
                __m128i *to = (__m128i *)(void *)(out + j);
                _mm_storeu_si128(to, _mm_unpacklo_epi16(r0, r1));
                _mm_storeu_si128(to + 1, _mm_unpackhi_epi16(r0, r1));
            }
        }
        for (; j < width; j++) {
            const uint8_t *q = p + j * line * size;
            uint32_t v = 0;
            if (j >= n) v = 0;
            else if (size == 2 || op == TG__GEMM_DOT_BYTES) {
                if (have == g && k_step == 1) v = TG__FN(tg__gemm_word)(q);
                else
                    for (int64_t t = 0; t < have; t++) {
                        uint32_t e = q[t * k_step * size];
                        if (size == 2) e |= (uint32_t)q[t * k_step * 2 + 1] << 8;
                        v |= e << (t * (size == 2 ? 16 : 8));
                    }
                v ^= flip * 0x01010101u;
            } else {
                for (int64_t t = 0; t < have; t++) {
                    const uint8_t e = q[t * k_step];
                    v |= (uint32_t)(uint16_t)(is_signed ? (int16_t)(int8_t)e : (int16_t)e) << (16 * t);
                }
            }
            out[j] = v;
        }
    }
}

/* Panels of a (width MR) or b (width NR). Behind each panel of b stands what is to be taken off its columns. */
TG__PRIVATE void TG__FN(tg__gemm_words_panels)(int op, int size, bool is_signed, bool is_b, bool both_signed,
    const void *src, int64_t k_step, int64_t line, int64_t kc, int64_t n, void *out, int64_t step) {
    const int64_t width = is_b ? TG__G_WNR : TG__G_WMR, g = op == TG__GEMM_DOT_BYTES ? 4 : 2,
        words = (kc + g - 1) / g;
    for (int64_t j = 0; j < n; j += width) {
        uint32_t *to = (uint32_t *)out + j / width * step;
        TG__FN(tg__gemm_words_panel)(op, size, is_signed,
            !is_b && both_signed && op == TG__GEMM_DOT_BYTES ? 0x80 : 0,
            (const uint8_t *)src + j * line * size, k_step, line, kc, n - j < width ? n - j : width, to, width);
        if (!is_b) continue;
        int32_t *less = (int32_t *)(void *)(to + words * width);
        for (int64_t c = 0; c < width; c++) less[c] = 0;
        if (!both_signed || op != TG__GEMM_DOT_BYTES) continue;
        for (int64_t w = 0; w < words; w++)
            for (int64_t c = 0; c < width; c += 4) {
                const __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(to + w * width + c));
                const __m128i pairs = _mm_maddubs_epi16(_mm_set1_epi8(1), v);
                __m128i *l = (__m128i *)(void *)(less + c);
                _mm_storeu_si128(l, _mm_add_epi32(_mm_loadu_si128(l),
                    _mm_slli_epi32(_mm_madd_epi16(pairs, _mm_set1_epi16(1)), 7)));
            }
    }
}
TG__PRIVATE void TG__FN(tg__gemm_words_block)(int op, const tg__gemm_part *s) {
    const int64_t g = op == TG__GEMM_DOT_BYTES ? 4 : 2, words = (s->k + g - 1) / g;
    for (int64_t i = 0; i < s->m; i += TG__G_WMR)
        for (int64_t j = 0; j < s->n; j += TG__G_WNR) {
            const uint32_t *a = (const uint32_t *)s->a + i / TG__G_WMR * s->a_step,
                *b = (const uint32_t *)s->b + j / TG__G_WNR * s->b_step;
            const int32_t *less = (const int32_t *)(const void *)(b + words * TG__G_WNR);
            void *d = (uint32_t *)s->d + i * s->d_rs + j;
            const int64_t m = s->m - i, n = s->n - j;
#if defined(TG__PASS_AVX512)
            if (op == TG__GEMM_DOT_BF16) {
                TG__FN(tg__gemm_words_bf16)(words, a, b, less, d, s->d_rs, m, n, s->add);
                continue;
            }
#endif
            if (op == TG__GEMM_DOT_BYTES) TG__FN(tg__gemm_words_bytes)(words, a, b, less, d, s->d_rs, m, n, s->add);
            else TG__FN(tg__gemm_words_i16)(words, a, b, less, d, s->d_rs, m, n, s->add);
        }
}
#else
TG__PRIVATE void TG__FN(tg__gemm_words_panels)(int op, int size, bool is_signed, bool is_b, bool both_signed,
    const void *src, int64_t k_step, int64_t line, int64_t kc, int64_t n, void *out, int64_t step) {
    (void)op; (void)size; (void)is_signed; (void)is_b; (void)both_signed; (void)src;
    (void)k_step; (void)line; (void)kc; (void)n; (void)out; (void)step;
}
TG__PRIVATE void TG__FN(tg__gemm_words_block)(int op, const tg__gemm_part *s) { (void)op; (void)s; }
#endif

#else /* TG__T: read for float, then for double */

/* ---------------------------------------------------------------------- tile shape ----
   A tile of MR rows and NV vectors of columns stays in registers: 14 x 2 of 32 registers (AVX-512), 6 x 2 of 16
   (AVX2), 8 x 3 of 32 (NEON). A packed panel of B is walked once per tile at NV vectors per MR * NV FMAs, slow
   enough to come from L2. */
#undef TG__G_MR
#undef TG__G_NV
#undef TG__G_EACH
#undef TG__G_FULL
#if defined(TG__PASS_AVX512)
#define TG__G_MR 14
#define TG__G_NV 2
#define TG__G_EACH(X, NV) X(1, NV) X(2, NV) X(3, NV) X(4, NV) X(5, NV) X(6, NV) X(7, NV) X(8, NV) X(10, NV) X(12, NV) X(14, NV)
#define TG__G_FULL(X) X(14, 2)
#elif defined(TG__PASS_AVX2)
#define TG__G_MR 6
#define TG__G_NV 2
#define TG__G_EACH(X, NV) X(1, NV) X(2, NV) X(3, NV) X(4, NV) X(5, NV) X(6, NV)
#define TG__G_FULL(X) X(6, 2)
#elif defined(TG__PASS_NEON)
#define TG__G_MR 8
#define TG__G_NV 3
#define TG__G_EACH(X, NV) X(1, NV) X(2, NV) X(3, NV) X(4, NV) X(5, NV) X(6, NV) X(7, NV) X(8, NV)
#define TG__G_FULL(X) X(8, 3)
#else
#define TG__G_MR 4
#define TG__G_NV 2
#define TG__G_EACH(X, NV) X(1, NV) X(2, NV) X(3, NV) X(4, NV)
#define TG__G_FULL(X) X(4, 2)
#endif
#undef TG__G_NR
#define TG__G_NR (TG__G_NV * TG__VN)

/* What >>impl-gemm must know of the shape: 0 rows of a tile, 1 columns, 2 elements from one packed panel of A
   to the next (kc = k taken at once). */
TG__PRIVATE int64_t TG__FT(tg__gemm_shape)(int what, int64_t kc) {
    if (what == 0) return TG__G_MR;
    if (what == 1) return TG__G_NR;
    return (TG__G_MR * kc + 31) / 16 * 16;     /* room for a whole vector stored at the last k */
}

/* ------------------------------------------------------------- loads of any type ---- */
TG__INLINE TG__V TG__FT(tg__gemm_load)(const void *p, int64_t i, int64_t n, int kind) {
#if defined(TG__TYPE_F32)
    if (kind == TG__GEMM_BF16) {
        const uint16_t *h = (const uint16_t *)p + i;
        return n >= TG__VN ? TG__W(loadbf)(h) : TG__W(loadbfn)(h, (int)n);
    }
    if (kind == TG__GEMM_F16) {
        const uint16_t *h = (const uint16_t *)p + i;
        return n >= TG__VN ? TG__W(loadh)(h) : TG__W(loadhn)(h, (int)n);
    }
#endif
    (void)kind;
    return n >= TG__VN ? TG__W(load)((const TG__T *)p + i) : TG__W(loadn)((const TG__T *)p + i, (int)n);
}
TG__INLINE void TG__FT(tg__gemm_store)(void *p, int64_t i, int64_t n, int kind, TG__V v) {
#if defined(TG__TYPE_F32)
    if (kind == TG__GEMM_BF16) {
        uint16_t *h = (uint16_t *)p + i;
        if (n >= TG__VN) TG__W(storebf)(h, v);
        else TG__W(storebfn)(h, v, (int)n);
        return;
    }
    if (kind == TG__GEMM_F16) {
        uint16_t *h = (uint16_t *)p + i;
        if (n >= TG__VN) TG__W(storeh)(h, v);
        else TG__W(storehn)(h, v, (int)n);
        return;
    }
#endif
    (void)kind;
    if (n >= TG__VN) TG__W(store)((TG__T *)p + i, v);
    else TG__W(storen)((TG__T *)p + i, v, (int)n);
}
TG__INLINE TG__T TG__FT(tg__gemm_get)(const void *p, int64_t i, int kind) {
    if (kind == TG__GEMM_OWN) return ((const TG__T *)p)[i];
    TG__T t[TG__VN];
    TG__W(store)(t, TG__FT(tg__gemm_load)(p, i, 1, kind));
    return t[0];
}

/* -------------------------------------------------------------------------- tiles ----
   d [R, columns] = or += a [R, k] b [k, columns]. a has any strides: its elements are broadcast, so packed or
   not is only a matter of cache sets. Columns of b stand side by side; the last vector holds `last` of them
   (1..VN). Rows are reached from a pointer for every three of them, so 14 rows need 5 pointers. */
#undef TG__G_ARGS
#define TG__G_ARGS (int64_t k, const TG__T *a, int64_t a_rs, int64_t a_cs, const TG__T *b, int64_t b_rs, TG__T *d, int64_t d_rs, int mode, int64_t last)

/* A masked load costs nothing with AVX-512 and never faults; elsewhere the whole vector is the common case. */
#undef TG__G_LASTS
#undef TG__G_LOAD
#undef TG__G_STORE
#if defined(TG__PASS_AVX512) && defined(TG__TYPE_F32)
#define TG__G_LASTS const __mmask16 part = (__mmask16)(0xffffu >> (16 - last));
#define TG__G_LOAD(p) _mm512_maskz_loadu_ps(part, p)
#define TG__G_STORE(p, v) _mm512_mask_storeu_ps(p, part, v)
#elif defined(TG__PASS_AVX512)
#define TG__G_LASTS const __mmask8 part = (__mmask8)(0xffu >> (8 - last));
#define TG__G_LOAD(p) _mm512_maskz_loadu_pd(part, p)
#define TG__G_STORE(p, v) _mm512_mask_storeu_pd(p, part, v)
#else
#define TG__G_LASTS const int part = last < TG__VN ? (int)last : 0;
#define TG__G_LOAD(p) (part ? TG__W(loadn)(p, part) : TG__W(load)(p))
#define TG__G_STORE(p, v) do { if (part) TG__W(storen)(p, v, part); else TG__W(store)(p, v); } while (0)
#endif

#ifndef TG__G_A0
#define TG__G_A0  q0[0]
#define TG__G_A1  q0[a_rs]
#define TG__G_A2  q0[2 * a_rs]
#define TG__G_A3  q1[0]
#define TG__G_A4  q1[a_rs]
#define TG__G_A5  q1[2 * a_rs]
#define TG__G_A6  q2[0]
#define TG__G_A7  q2[a_rs]
#define TG__G_A8  q2[2 * a_rs]
#define TG__G_A9  q3[0]
#define TG__G_A10 q3[a_rs]
#define TG__G_A11 q3[2 * a_rs]
#define TG__G_A12 q4[0]
#define TG__G_A13 q4[a_rs]
/* zero, one k, write: row r of 1, 2, 3 vectors */
#define TG__G_Z1(r) TG__V c##r##_0 = zero;
#define TG__G_Z2(r) TG__G_Z1(r) TG__V c##r##_1 = zero;
#define TG__G_Z3(r) TG__G_Z2(r) TG__V c##r##_2 = zero;
#define TG__G_B1 const TG__V b0 = TG__G_LOAD(b);
#define TG__G_B2 const TG__V b0 = TG__W(load)(b), b1 = TG__G_LOAD(b + TG__VN);
#define TG__G_B3 const TG__V b0 = TG__W(load)(b), b1 = TG__W(load)(b + TG__VN), b2 = TG__G_LOAD(b + 2 * TG__VN);
#define TG__G_F1(r) x = TG__W(set)(TG__G_A##r); c##r##_0 = TG__W(fma)(x, b0, c##r##_0);
#define TG__G_F2(r) TG__G_F1(r) c##r##_1 = TG__W(fma)(x, b1, c##r##_1);
#define TG__G_F3(r) TG__G_F2(r) c##r##_2 = TG__W(fma)(x, b2, c##r##_2);
#define TG__G_S1(r) e = d + r * d_rs; \
    if (mode == TG__GEMM_ADD) c##r##_0 = TG__W(add)(TG__G_LOAD(e), c##r##_0); \
    TG__G_STORE(e, c##r##_0);
#define TG__G_S2(r) e = d + r * d_rs; \
    if (mode == TG__GEMM_ADD) { \
        c##r##_0 = TG__W(add)(TG__W(load)(e), c##r##_0); \
        c##r##_1 = TG__W(add)(TG__G_LOAD(e + TG__VN), c##r##_1); \
    } \
    TG__W(store)(e, c##r##_0); TG__G_STORE(e + TG__VN, c##r##_1);
#define TG__G_S3(r) e = d + r * d_rs; \
    if (mode == TG__GEMM_ADD) { \
        c##r##_0 = TG__W(add)(TG__W(load)(e), c##r##_0); \
        c##r##_1 = TG__W(add)(TG__W(load)(e + TG__VN), c##r##_1); \
        c##r##_2 = TG__W(add)(TG__G_LOAD(e + 2 * TG__VN), c##r##_2); \
    } \
    TG__W(store)(e, c##r##_0); TG__W(store)(e + TG__VN, c##r##_1); TG__G_STORE(e + 2 * TG__VN, c##r##_2);
#define TG__G_TILE(R, NV) \
TG__PRIVATE void TG__FT(tg__gemm_tile_##R##_##NV) TG__G_ARGS { \
    const TG__V zero = TG__W(set)(0); \
    TG__V x; \
    TG__T *e; \
    const TG__T *q0 = a, *q1 = a + 3 * a_rs, *q2 = a + 6 * a_rs, *q3 = a + 9 * a_rs, *q4 = a + 12 * a_rs; \
    TG__G_LASTS \
    TG__G_R##R(TG__G_Z##NV) \
    for (; k > 0; k--) { \
        TG__G_B##NV \
        TG__G_R##R(TG__G_F##NV) \
        q0 += a_cs; q1 += a_cs; q2 += a_cs; q3 += a_cs; q4 += a_cs; b += b_rs; \
    } \
    TG__G_R##R(TG__G_S##NV) \
    (void)q1; (void)q2; (void)q3; (void)q4; (void)a_rs; \
}
/* The same for whole tiles of packed panels: every stride is a number, four k at a time. */
#define TG__G_H1(u) b0 = TG__W(load)(b + (u) * TG__G_NR);
#define TG__G_H2(u) TG__G_H1(u) b1 = TG__W(load)(b + (u) * TG__G_NR + TG__VN);
#define TG__G_H3(u) TG__G_H2(u) b2 = TG__W(load)(b + (u) * TG__G_NR + 2 * TG__VN);
#define TG__G_P2(r) x = TG__W(set)(q[r]); c##r##_0 = TG__W(fma)(x, b0, c##r##_0); c##r##_1 = TG__W(fma)(x, b1, c##r##_1);
#define TG__G_P3(r) TG__G_P2(r) c##r##_2 = TG__W(fma)(x, b2, c##r##_2);
#define TG__G_STEP(R, NV, u) { const TG__T *q = a + (u) * TG__G_MR; TG__G_H##NV(u) TG__G_R##R(TG__G_P##NV) }
#define TG__G_WHOLE(R, NV) \
TG__PRIVATE void TG__FT(tg__gemm_whole)(int64_t k, const TG__T *a, const TG__T *b, TG__T *d, int64_t d_rs, int mode) { \
    const TG__V zero = TG__W(set)(0); \
    TG__V x, b0 = zero, b1 = zero, b2 = zero; \
    TG__T *e; \
    const int64_t last = TG__VN; \
    TG__G_LASTS \
    for (int r = 0; r < R; r++) { TG__PREFETCH(d + r * d_rs); TG__PREFETCH(d + r * d_rs + (NV - 1) * TG__VN); } /* d is far away, and needed at the end */ \
    TG__G_R##R(TG__G_Z##NV) \
    for (; k >= 4; k -= 4) { \
        TG__G_STEP(R, NV, 0) TG__G_STEP(R, NV, 1) TG__G_STEP(R, NV, 2) TG__G_STEP(R, NV, 3) \
        a += 4 * TG__G_MR; b += 4 * TG__G_NR; \
    } \
    for (; k > 0; k--) { TG__G_STEP(R, NV, 0) a += TG__G_MR; b += TG__G_NR; } \
    TG__G_R##R(TG__G_S##NV) \
    (void)b2; \
}
#endif

TG__G_EACH(TG__G_TILE, 1)
TG__G_EACH(TG__G_TILE, 2)
#if TG__G_NV == 3
TG__G_EACH(TG__G_TILE, 3)
#endif
TG__G_FULL(TG__G_WHOLE)

#undef TG__G_PICK
#define TG__G_PICK(R, NV) TG__FT(tg__gemm_tile_##R##_##NV),
static void (*const TG__FT(tg__gemm_tiles)[TG__G_NV][TG__G_MR < 9 ? TG__G_MR : 11]) TG__G_ARGS = {
    { TG__G_EACH(TG__G_PICK, 1) }, { TG__G_EACH(TG__G_PICK, 2) },
#if TG__G_NV == 3
    { TG__G_EACH(TG__G_PICK, 3) },
#endif
};

/* Rows of the next tile when `left` remain: whole tiles, then two of about the same height, so none is too
   low to hide FMA's latency. */
TG__INLINE int64_t TG__FT(tg__gemm_rows)(int64_t left) {
    if (left >= 2 * TG__G_MR || left == TG__G_MR) return TG__G_MR;
    int64_t h = left > TG__G_MR ? (left + 1) / 2 : left;
    if (h > 8 && (h & 1)) return left > TG__G_MR ? h + 1 : (h + 1) / 2;      /* 9, 11 and 13 are not in the table */
    return h;
}

/* All rows of one panel of columns: n <= NR columns of b, m rows of a. */
TG__PRIVATE void TG__FT(tg__gemm_column)(int64_t m, int64_t n, int64_t k,
    const TG__T *a, int64_t a_rs, int64_t a_cs, const TG__T *b, int64_t b_rs, TG__T *d, int64_t d_rs, int mode) {
    const int64_t nv = (n + TG__VN - 1) / TG__VN, last = n - (nv - 1) * TG__VN;
    for (int64_t r, i = 0; i < m; i += r) {
        r = TG__FT(tg__gemm_rows)(m - i);
        TG__FT(tg__gemm_tiles)[nv - 1][r <= 8 ? r - 1 : r / 2 + 3](k, a + i * a_rs, a_rs, a_cs, b, b_rs,
            d + i * d_rs, d_rs, mode, last);
    }
}

/* ------------------------------------------------------------------------ packing ----
   A panel holds `width` lines side by side: out[k][width]. Lines that do not exist repeat another or are zero:
   nobody looks at them. Whole vectors are stored for k upward, so the last one may write VN elements beyond the
   panel; tg__gemm_shape leaves room.

   tg__gemm_turn: o[t] = { p[0][k+t], p[1][k+t], ..., p[VN-1][k+t] }, t < TG__G_TK. Pieces of 16 bytes are put
   side by side by loads, then 4x4 (2x2) transposes go on inside the pieces. */
#undef TG__G_TK
#if TG__VN == 1
#define TG__G_TK 1
#elif defined(TG__PASS_AVX512)
#define TG__G_TK TG__VN
#elif defined(TG__TYPE_F32)
#define TG__G_TK 4
#else
#define TG__G_TK 2
#endif
TG__INLINE void TG__FT(tg__gemm_turn)(const TG__T *const *p, int64_t k, TG__V *o) {
#if defined(TG__PASS_AVX512) && defined(TG__TYPE_F32)
    /* [k / 4, line % 4]; a line's 64 bytes are read together: strides of 4 KB collide in L1 */
    __m512 r[16];
#define TG__G_IN(j, q) { \
        __m512 v = _mm512_castps128_ps512(_mm_loadu_ps(p[j] + k + 4 * (q))); \
        v = _mm512_mask_broadcast_f32x4(v, 0x00f0, _mm_loadu_ps(p[(j) + 4] + k + 4 * (q))); \
        v = _mm512_mask_broadcast_f32x4(v, 0x0f00, _mm_loadu_ps(p[(j) + 8] + k + 4 * (q))); \
        r[4 * (q) + (j)] = _mm512_mask_broadcast_f32x4(v, 0xf000, _mm_loadu_ps(p[(j) + 12] + k + 4 * (q))); }
#define TG__G_OUT(q) { \
        const __m512d l01 = _mm512_castps_pd(_mm512_unpacklo_ps(r[4 * (q)], r[4 * (q) + 1])); \
        const __m512d h01 = _mm512_castps_pd(_mm512_unpackhi_ps(r[4 * (q)], r[4 * (q) + 1])); \
        const __m512d l23 = _mm512_castps_pd(_mm512_unpacklo_ps(r[4 * (q) + 2], r[4 * (q) + 3])); \
        const __m512d h23 = _mm512_castps_pd(_mm512_unpackhi_ps(r[4 * (q) + 2], r[4 * (q) + 3])); \
        o[4 * (q)] = _mm512_castpd_ps(_mm512_unpacklo_pd(l01, l23)); \
        o[4 * (q) + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(l01, l23)); \
        o[4 * (q) + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(h01, h23)); \
        o[4 * (q) + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(h01, h23)); }
    TG__G_IN(0, 0) TG__G_IN(0, 1) TG__G_IN(0, 2) TG__G_IN(0, 3)
    TG__G_IN(1, 0) TG__G_IN(1, 1) TG__G_IN(1, 2) TG__G_IN(1, 3)
    TG__G_IN(2, 0) TG__G_IN(2, 1) TG__G_IN(2, 2) TG__G_IN(2, 3)
    TG__G_IN(3, 0) TG__G_IN(3, 1) TG__G_IN(3, 2) TG__G_IN(3, 3)
    TG__G_OUT(0) TG__G_OUT(1) TG__G_OUT(2) TG__G_OUT(3)
#undef TG__G_IN
#undef TG__G_OUT
#elif defined(TG__PASS_AVX512)
    __m512d r[8];
#define TG__G_IN(j, q) { \
        __m512d v = _mm512_castpd128_pd512(_mm_loadu_pd(p[j] + k + 2 * (q))); \
        v = _mm512_mask_broadcast_f64x2(v, 0x0c, _mm_loadu_pd(p[(j) + 2] + k + 2 * (q))); \
        v = _mm512_mask_broadcast_f64x2(v, 0x30, _mm_loadu_pd(p[(j) + 4] + k + 2 * (q))); \
        r[2 * (q) + (j)] = _mm512_mask_broadcast_f64x2(v, 0xc0, _mm_loadu_pd(p[(j) + 6] + k + 2 * (q))); }
#define TG__G_OUT(q) { o[2 * (q)] = _mm512_unpacklo_pd(r[2 * (q)], r[2 * (q) + 1]); o[2 * (q) + 1] = _mm512_unpackhi_pd(r[2 * (q)], r[2 * (q) + 1]); }
    TG__G_IN(0, 0) TG__G_IN(0, 1) TG__G_IN(0, 2) TG__G_IN(0, 3)
    TG__G_IN(1, 0) TG__G_IN(1, 1) TG__G_IN(1, 2) TG__G_IN(1, 3)
    TG__G_OUT(0) TG__G_OUT(1) TG__G_OUT(2) TG__G_OUT(3)
#undef TG__G_IN
#undef TG__G_OUT
#elif defined(TG__PASS_AVX2) && defined(TG__TYPE_F32)
    __m256 r[4];
    for (int j = 0; j < 4; j++)
        r[j] = _mm256_insertf128_ps(
            _mm256_castps128_ps256(_mm_loadu_ps(p[j] + k)), _mm_loadu_ps(p[j + 4] + k), 1);
    const __m256d l01 = _mm256_castps_pd(_mm256_unpacklo_ps(r[0], r[1])),
        h01 = _mm256_castps_pd(_mm256_unpackhi_ps(r[0], r[1]));
    const __m256d l23 = _mm256_castps_pd(_mm256_unpacklo_ps(r[2], r[3])),
        h23 = _mm256_castps_pd(_mm256_unpackhi_ps(r[2], r[3]));
    o[0] = _mm256_castpd_ps(_mm256_unpacklo_pd(l01, l23));
    o[1] = _mm256_castpd_ps(_mm256_unpackhi_pd(l01, l23));
    o[2] = _mm256_castpd_ps(_mm256_unpacklo_pd(h01, h23));
    o[3] = _mm256_castpd_ps(_mm256_unpackhi_pd(h01, h23));
#elif defined(TG__PASS_AVX2)
    const __m256d r0 =
        _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(p[0] + k)), _mm_loadu_pd(p[2] + k), 1);
    const __m256d r1 =
        _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(p[1] + k)), _mm_loadu_pd(p[3] + k), 1);
    o[0] = _mm256_unpacklo_pd(r0, r1);
    o[1] = _mm256_unpackhi_pd(r0, r1);
#elif TG__VN == 1
    o[0] = TG__W(load)(p[0] + k);
#else
    TG__T t[TG__VN];
    for (int u = 0; u < TG__G_TK; u++) {
        for (int j = 0; j < TG__VN; j++) t[j] = p[j][k + u];
        o[u] = TG__W(load)(t);
    }
#endif
}

/* ks of VN lines become rows of n lanes. The last turn reads TG__G_TK of every line, so either ks is a
   multiple or there is room. */
#undef TG__G_RUN
#if TG__VN == 1
#define TG__G_RUN TG__INLINE
#else
#define TG__G_RUN TG__NOINLINE                         /* large, and called for whole panels */
#endif
#if defined(TG__LEVELS) && !defined(TG__LESS_EFFORT)   /* -Og loses a seventh on transposed copies */
#pragma GCC push_options
#pragma GCC optimize("O1", "no-fast-math", "fp-contract=off")
#endif
TG__G_RUN void TG__FT(tg__gemm_turn_run)(const TG__T *const *p, int64_t ks, TG__T *to, int64_t step, int64_t n) {
    TG__V o[TG__G_TK];
    for (int64_t k = 0; k < ks; k += TG__G_TK, to += TG__G_TK * step) {
        /* one line of memory from each: they are too many for a prefetcher to follow */
        if (TG__G_TK * sizeof(TG__T) == 64 && k + 4 * TG__G_TK < ks)
            for (int j = 0; j < TG__VN; j++) TG__PREFETCH(p[j] + k + 4 * TG__G_TK);
        TG__FT(tg__gemm_turn)(p, k, o);
        if (n >= TG__VN && ks - k >= TG__G_TK) {
            TG__UNROLL
            for (int u = 0; u < TG__G_TK; u++) TG__W(store)(to + u * step, o[u]);
        } else {
            TG__T part[TG__G_TK * TG__VN];             /* a copy: indexed by a variable, o itself would live in memory */
            TG__UNROLL
            for (int u = 0; u < TG__G_TK; u++) TG__W(store)(part + u * TG__VN, o[u]);
            for (int u = 0; u < TG__G_TK && k + u < ks; u++) {
                const TG__V v = TG__W(load)(part + u * TG__VN);
                if (n >= TG__VN) TG__W(store)(to + u * step, v);
                else TG__W(storen)(to + u * step, v, (int)n);
            }
        }
    }
}

/* A transposition: y [length, lines] = x [lines, length]. */
TG__PRIVATE void TG__FT(tg__turn)(int64_t lines, int64_t length, const TG__T *x, int64_t xs, TG__T *y, int64_t ys) {
    const int64_t ks = length / TG__G_TK * TG__G_TK;
    for (int64_t i = 0; i < lines; i += TG__VN) {
        const TG__T *p[TG__VN];
        const int64_t n = lines - i < TG__VN ? lines - i : TG__VN;
        for (int j = 0; j < TG__VN; j++) p[j] = x + (j < n ? i + j : i) * xs;
        TG__FT(tg__gemm_turn_run)(p, ks, y + i, ys, n);
        for (int64_t k = ks; k < length; k++)
            for (int j = 0; j < n; j++) y[k * ys + i + j] = p[j][k];
    }
}

#if defined(TG__LEVELS) && !defined(TG__LESS_EFFORT)
#pragma GCC pop_options
#endif

/* Lines that stand side by side in memory too: copy, k after k, all panels of that k. */
TG__INLINE void TG__FT(tg__gemm_pack_rows)(int kind, const void *src, int64_t k_step, int64_t kc, int64_t n,
    TG__T *out, int64_t width, int64_t step) {
    for (int64_t k = 0; k < kc; k++, out += width) {
        TG__T *to = out;
        int64_t at = k * k_step, left = n;
        for (; left >= width; left -= width, at += width, to += step) {
            int64_t v = 0;
            for (; v + TG__VN <= width; v += TG__VN)
                TG__W(store)(to + v, TG__FT(tg__gemm_load)(src, at + v, TG__VN, kind));
            if (v < width) TG__W(store)(to + v, TG__FT(tg__gemm_load)(src, at + v, width - v, kind));
        }
        for (int64_t v = 0; left > 0 && v < width; v += TG__VN)
            TG__W(store)(to + v, v < left ? TG__FT(tg__gemm_load)(src, at + v, left - v, kind) : TG__W(set)(0));
    }
}

/* Lines along k: turned in registers. Half types, and what is left of k, go through a small square, so that
   nothing beyond is read. */
TG__INLINE void TG__FT(tg__gemm_pack_turn)(int kind, const void *src, int64_t line, int64_t kc, int64_t n,
    TG__T *out, int64_t width) {
    const TG__T *p[TG__VN];
    TG__T square[TG__VN * TG__VN];
    for (int64_t v = 0; v < width; v += TG__VN) {
        TG__T *to = out + v;
        /* a panel's last vector would run into the next k, written before */
        const int64_t lanes = v + TG__VN <= width || v == 0 ? TG__VN : width - v;
        int64_t k = 0;
        if (v >= n) {
            for (; k < kc; k++) TG__FT(tg__gemm_store)(to, k * width, width - v, TG__GEMM_OWN, TG__W(set)(0));
            continue;
        }
        if (kind == TG__GEMM_OWN) {
            k = kc / TG__G_TK * TG__G_TK;
            for (int j = 0; j < TG__VN; j++) p[j] = (const TG__T *)src + (v + j < n ? v + j : n - 1) * line;
            TG__FT(tg__gemm_turn_run)(p, k, to, width, lanes);
        }
        for (int j = 0; j < TG__VN; j++) p[j] = square + j * TG__VN;
        for (; k < kc; k += TG__VN) {
            const int64_t left = kc - k < TG__VN ? kc - k : TG__VN;
            for (int j = 0; j < TG__VN; j++)
                TG__W(store)(square + j * TG__VN,
                    TG__FT(tg__gemm_load)(src, (v + j < n ? v + j : n - 1) * line + k, left, kind));
            TG__FT(tg__gemm_turn_run)(p, left, to + k * width, width, lanes);
        }
    }
}

TG__PRIVATE void TG__FT(tg__gemm_pack_any)(int kind, const void *src, int64_t k_step, int64_t line,
    int64_t kc, int64_t n, TG__T *out, int64_t width) {
    for (int64_t k = 0; k < kc; k++)
        for (int64_t j = 0; j < width; j++)
            out[k * width + j] = j < n ? TG__FT(tg__gemm_get)(src, k * k_step + j * line, kind) : (TG__T)0;
}

/* Each kind has its own copy of the loops: the choice stays outside. */
#undef TG__G_KINDS
#if defined(TG__TYPE_F32)
#define TG__G_KINDS(kind, call) switch (kind) { \
    case TG__GEMM_BF16: call(TG__GEMM_BF16); break; case TG__GEMM_F16: call(TG__GEMM_F16); break; default: call(TG__GEMM_OWN); }
#else
#define TG__G_KINDS(kind, call) (void)(kind); call(TG__GEMM_OWN)
#endif

TG__PRIVATE void TG__FT(tg__gemm_pack)(int kind, const void *src, int64_t k_step, int64_t line, int64_t kc,
    int64_t n, TG__T *out, int64_t width) {
#define TG__G_ROWS(K) TG__FT(tg__gemm_pack_rows)(K, src, k_step, kc, n, out, width, 0)
#define TG__G_TURN(K) TG__FT(tg__gemm_pack_turn)(K, src, line, kc, n, out, width)
    if (line == 1 || n == 1) { TG__G_KINDS(kind, TG__G_ROWS); }
    else if (k_step == 1) { TG__G_KINDS(kind, TG__G_TURN); }
    else TG__FT(tg__gemm_pack_any)(kind, src, k_step, line, kc, n, out, width);
#undef TG__G_ROWS
#undef TG__G_TURN
}

/* n lines as panels of A (width MR) or of B (width NR), `step` elements apart, of one k-block. */
TG__PRIVATE void TG__FT(tg__gemm_panels)(int kind, const void *src, int64_t k_step, int64_t line,
    int64_t kc, int64_t n, void *out, int64_t width, int64_t step) {
    const int64_t size = kind == TG__GEMM_OWN ? (int64_t)sizeof(TG__T) : 2;
#define TG__G_ROWS(K) TG__FT(tg__gemm_pack_rows)(K, src, k_step, kc, n, (TG__T *)out, width, step)
    if (line == 1) { TG__G_KINDS(kind, TG__G_ROWS); return; }
#undef TG__G_ROWS
    for (int64_t j = 0; j < n; j += width)
        TG__FT(tg__gemm_pack)(kind, (const char *)src + j * line * size, k_step, line,
            kc, n - j < width ? n - j : width, (TG__T *)out + j / width * step, width);
}

/* ------------------------------------------------------------------------- drivers ---- */

/* Both operands packed: every panel of A stays in L1 while the panels of B come by. */
TG__PRIVATE void TG__FT(tg__gemm_block)(const tg__gemm_part *s) {
    const int mode = s->add ? TG__GEMM_ADD : TG__GEMM_SET;
    for (int64_t i = 0; i < s->m; i += TG__G_MR)
        for (int64_t j = 0; j < s->n; j += TG__G_NR) {
            const TG__T *a = (const TG__T *)s->a + i / TG__G_MR * s->a_step,
                *b = (const TG__T *)s->b + j / TG__G_NR * s->b_step;
            TG__T *d = (TG__T *)s->d + i * s->d_rs + j;
            if (s->m - i >= TG__G_MR && s->n - j >= TG__G_NR)
                TG__FT(tg__gemm_whole)(s->k, a, b, d, s->d_rs, mode);
            else
                TG__FT(tg__gemm_column)(s->m - i < TG__G_MR ? s->m - i : TG__G_MR,
                    s->n - j < TG__G_NR ? s->n - j : TG__G_NR, s->k,
                    a, 1, TG__G_MR, b, TG__G_NR, d, s->d_rs, mode);
        }
}

/* Few rows of a, b as it lies in memory and too large for caches: eight rows of b come by side by side, far
   along, and update d, which stays in L1. Long runs through few rows are what memory and its prefetchers like;
   tiles would touch 128 bytes of many pages. The next run is fetched meanwhile, each two rows of a asking for
   their share of its lines, so that memory is never idle. */
#ifndef TG__GEMM_RUN
#define TG__GEMM_RUN 1024              /* columns between two rows of a: eight rows of b stay in L1 or L2 */
#endif
TG__INLINE void TG__FT(tg__gemm_update)(int rows, int ks, int64_t n,
    const TG__T *a, int64_t a_rs, int64_t a_cs, const TG__T *b, int64_t b_rs, TG__T *d, int64_t d_rs,
    bool more, const TG__T *next, int share) {
    const TG__V zero = TG__W(set)(0);
    const TG__T *a1 = a + (rows > 1 ? a_rs : 0);
    TG__T *d1 = d + (rows > 1 ? d_rs : 0);
#define TG__G_U(r) const TG__V x##r = ks > r ? TG__W(set)(a[r * a_cs]) : zero, y##r = rows > 1 && ks > r ? TG__W(set)(a1[r * a_cs]) : zero;
    TG__G_R8(TG__G_U)
#undef TG__G_U
    for (int64_t j = 0; j < n; j += TG__VN) {
        const int64_t left = n - j;
        TG__V c0 = zero, c1 = zero, v;
        if (left >= TG__VN) {
            if (more) { c0 = TG__W(load)(d + j); if (rows > 1) c1 = TG__W(load)(d1 + j); }
            if (next) {
                const TG__T *f = next + j;
                TG__PREFETCH(f); TG__PREFETCH(f + b_rs);
                if (share > 2) { TG__PREFETCH(f + 2 * b_rs); TG__PREFETCH(f + 3 * b_rs); }
                if (share > 4) {
                    TG__PREFETCH(f + 4 * b_rs); TG__PREFETCH(f + 5 * b_rs);
                    TG__PREFETCH(f + 6 * b_rs); TG__PREFETCH(f + 7 * b_rs);
                }
            }
#define TG__G_U(r) if (ks > r) { v = TG__W(load)(b + r * b_rs + j); c0 = TG__W(fma)(x##r, v, c0); if (rows > 1) c1 = TG__W(fma)(y##r, v, c1); }
            TG__G_R8(TG__G_U)
#undef TG__G_U
            TG__W(store)(d + j, c0);
            if (rows > 1) TG__W(store)(d1 + j, c1);
        } else {
            if (more) { c0 = TG__W(loadn)(d + j, (int)left); if (rows > 1) c1 = TG__W(loadn)(d1 + j, (int)left); }
#define TG__G_U(r) if (ks > r) { v = TG__W(loadn)(b + r * b_rs + j, (int)left); c0 = TG__W(fma)(x##r, v, c0); if (rows > 1) c1 = TG__W(fma)(y##r, v, c1); }
            TG__G_R8(TG__G_U)
#undef TG__G_U
            TG__W(storen)(d + j, c0, (int)left);
            if (rows > 1) TG__W(storen)(d1 + j, c1, (int)left);
        }
    }
}
TG__PRIVATE void TG__FT(tg__gemm_stream)(const tg__gemm_part *s) {
    const int share = s->m > 6 ? 2 : s->m > 2 ? 4 : 8;
    for (int64_t k = 0, kc; k < s->k; k += kc) {
        kc = s->k - k >= 8 ? 8 : 1;
        for (int64_t j = 0; j < s->n; j += TG__GEMM_RUN) {
            const int64_t n = s->n - j < TG__GEMM_RUN ? s->n - j : TG__GEMM_RUN;
            const TG__T *b = (const TG__T *)s->b + k * s->b_rs + j;
            const TG__T *next = j + n < s->n ? b + n : (const TG__T *)s->b + (k + 8) * s->b_rs;
            int asked = kc < 8 || (j + n >= s->n && k + 16 > s->k) ? 8 : 0;
            for (int64_t i = 0; i < s->m; i += 2, asked += share) {
                const TG__T *a = (const TG__T *)s->a + i * s->a_rs + k * s->a_cs;
                TG__T *d = (TG__T *)s->d + i * s->d_rs + j;
#define TG__G_UPDATE(ROWS, KS) TG__FT(tg__gemm_update)(ROWS, KS, n, a, s->a_rs, s->a_cs, b, s->b_rs, d, s->d_rs, k > 0, asked < 8 ? next + asked * s->b_rs : NULL, share)
                if (s->m - i > 1) { if (kc == 8) TG__G_UPDATE(2, 8); else TG__G_UPDATE(2, 1); }
                else { if (kc == 8) TG__G_UPDATE(1, 8); else TG__G_UPDATE(1, 1); }
#undef TG__G_UPDATE
            }
        }
    }
}

/* A piece by itself: b's panel is packed where it pays or must be, then meets all rows of a. */
TG__PRIVATE void TG__FT(tg__gemm_strip)(const tg__gemm_part *s) {
    const int64_t size_a = s->ka == TG__GEMM_OWN ? (int64_t)sizeof(TG__T) : 2,
        size_b = s->kb == TG__GEMM_OWN ? (int64_t)sizeof(TG__T) : 2;
    const int64_t step = TG__FT(tg__gemm_shape)(2, s->ks);
    if (s->stream) { TG__FT(tg__gemm_stream)(s); return; }
    TG__T *const bp = (TG__T *)s->work, *const ap = bp + (s->pack_b ? s->ks * TG__G_NR + 16 : 0);
    for (int64_t k = 0, kc; k == 0 || k < s->k; k += kc) {
        kc = s->k - k < s->ks ? s->k - k : s->ks;
        const char *a = (const char *)s->a + k * s->a_cs * size_a, *b = (const char *)s->b + k * s->b_rs * size_b;
        const int mode = k || s->add ? TG__GEMM_ADD : TG__GEMM_SET;
        if (s->pack_a) TG__FT(tg__gemm_panels)(s->ka, a, s->a_cs, s->a_rs, kc, s->m, ap, TG__G_MR, step);
        for (int64_t j = 0; j < s->n; j += TG__G_NR) {
            const int64_t n = s->n - j < TG__G_NR ? s->n - j : TG__G_NR;
            const TG__T *bj = (const TG__T *)(const void *)b + j;
            int64_t b_rs = s->b_rs;
            if (s->pack_b) {
                TG__FT(tg__gemm_pack)(s->kb, b + j * s->b_cs * size_b, s->b_rs, s->b_cs, kc, n, bp, TG__G_NR);
                bj = bp;
                b_rs = TG__G_NR;
            }
            if (!s->pack_a) {
                TG__FT(tg__gemm_column)(s->m, n, kc, (const TG__T *)(const void *)a, s->a_rs, s->a_cs,
                    bj, b_rs, (TG__T *)s->d + j, s->d_rs, mode);
                continue;
            }
            for (int64_t i = 0; i < s->m; i += TG__G_MR)
                TG__FT(tg__gemm_column)(s->m - i < TG__G_MR ? s->m - i : TG__G_MR, n, kc,
                    ap + i / TG__G_MR * step, 1, TG__G_MR,
                    bj, b_rs, (TG__T *)s->d + i * s->d_rs + j, s->d_rs, mode);
        }
        if (kc == 0) break;
    }
}

/* --------------------------------------------------------------------- reductions ----
   d [m, n] over one block of k <= TG__GEMM_RB. */

/* Both lines along k, b of any kind. Accumulators: 64 lanes, at most 8 vectors at a time. */
#undef TG__G_DV
#undef TG__G_DOT_EACH
#if TG__VN == 16
#define TG__G_DV 4
#define TG__G_DOT_EACH(X) X(0) X(1) X(2) X(3)
#else
#define TG__G_DV 8
#define TG__G_DOT_EACH(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
#endif
#ifndef TG__G_D0
#define TG__G_D0(u) TG__V c##u = zero;
#define TG__G_D1(u) c##u = TG__W(fma)(TG__W(load)(a + i + (u) * TG__VN), TG__FT(tg__gemm_load)(b, i + (u) * TG__VN, TG__VN, kind), c##u);
#define TG__G_D2(u) left = k - i - (u) * TG__VN; \
    if (left > 0) c##u = TG__W(fma)(TG__FT(tg__gemm_load)(a, i + (u) * TG__VN, left, TG__GEMM_OWN), \
                                    TG__FT(tg__gemm_load)(b, i + (u) * TG__VN, left, kind), c##u); \
    else c##u = TG__W(fma)(zero, zero, c##u);
#define TG__G_D3(u) TG__W(store)(lane + g + (u) * TG__VN, c##u);
#endif
/* Lane j += lane j + half, down to one number. */
TG__INLINE TG__T TG__FT(tg__gemm_fold)(TG__V v) {
#if defined(TG__PASS_AVX512) && defined(TG__TYPE_F32)
    const __m256 h = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
#elif defined(TG__PASS_AVX2) && defined(TG__TYPE_F32)
    const __m256 h = v;
#elif defined(TG__PASS_AVX512)
    const __m256d h = _mm256_add_pd(_mm512_castpd512_pd256(v), _mm512_extractf64x4_pd(v, 1));
#elif defined(TG__PASS_AVX2)
    const __m256d h = v;
#endif
#if defined(TG__PASS_AVX512) || defined(TG__PASS_AVX2)
#if defined(TG__TYPE_F32)
    __m128 q = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    q = _mm_add_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_add_ss(q, _mm_shuffle_ps(q, q, 1)));
#else
    const __m128d q = _mm_add_pd(_mm256_castpd256_pd128(h), _mm256_extractf128_pd(h, 1));
    return _mm_cvtsd_f64(_mm_add_sd(q, _mm_unpackhi_pd(q, q)));
#endif
#else
    TG__T lane[TG__VN];
    TG__W(store)(lane, v);
    for (int half = TG__VN / 2; half > 0; half /= 2)
        for (int j = 0; j < half; j++) lane[j] += lane[j + half];
    return lane[0];
#endif
}
TG__INLINE TG__T TG__FT(tg__gemm_dot)(int kind, int64_t k, const TG__T *a, const void *b) {
    const TG__V zero = TG__W(set)(0);
#if TG__G_DV * TG__VN == 64                                   /* all lanes at once */
    int64_t i = 0, left;
    TG__G_DOT_EACH(TG__G_D0)
    for (; i + 64 <= k; i += 64) { TG__G_DOT_EACH(TG__G_D1) }
    if (i < k) { TG__G_DOT_EACH(TG__G_D2) }
#if TG__G_DV == 8
    c0 = TG__W(add)(c0, c4); c1 = TG__W(add)(c1, c5); c2 = TG__W(add)(c2, c6); c3 = TG__W(add)(c3, c7);
#endif
    return TG__FT(tg__gemm_fold)(TG__W(add)(TG__W(add)(c0, c2), TG__W(add)(c1, c3)));
#else
    TG__T lane[64];
    for (int64_t g = 0; g < 64; g += TG__G_DV * TG__VN) {
        int64_t i = g, left;
        TG__G_DOT_EACH(TG__G_D0)
        for (; i - g + 64 <= k; i += 64) { TG__G_DOT_EACH(TG__G_D1) }
        if (i - g < k) { TG__G_DOT_EACH(TG__G_D2) }
        TG__G_DOT_EACH(TG__G_D3)
    }
    for (int half = 32; half >= TG__VN; half /= 2)
        for (int j = 0; j < half; j += TG__VN)
            TG__W(store)(lane + j, TG__W(add)(TG__W(load)(lane + j), TG__W(load)(lane + j + half)));
    return TG__FT(tg__gemm_fold)(TG__W(load)(lane));
#endif
}
TG__PRIVATE void TG__FT(tg__gemm_line)(int kind, const void *src, int64_t step, int64_t k, TG__T *out) {
    if (step == 1) {
        for (int64_t i = 0; i < k; i += TG__VN)
            TG__FT(tg__gemm_store)(out, i, k - i, TG__GEMM_OWN, TG__FT(tg__gemm_load)(src, i, k - i, kind));
    } else {
        for (int64_t i = 0; i < k; i++) out[i] = TG__FT(tg__gemm_get)(src, i * step, kind);
    }
}
TG__PRIVATE void TG__FT(tg__gemm_dots)(const tg__gemm_part *s) {
    const int64_t size_a = s->ka == TG__GEMM_OWN ? (int64_t)sizeof(TG__T) : 2,
        size_b = s->kb == TG__GEMM_OWN ? (int64_t)sizeof(TG__T) : 2;
    const bool ready_a = s->a_cs == 1 && s->ka == TG__GEMM_OWN, ready_b = s->b_rs == 1;
    TG__T *const bp = (TG__T *)s->work, *const ap = bp + (ready_b ? 0 : s->k);
    TG__T *const d = (TG__T *)s->d;
    if (!ready_a)
        for (int64_t i = 0; i < s->m; i++)
            TG__FT(tg__gemm_line)(s->ka, (const char *)s->a + i * s->a_rs * size_a, s->a_cs,
                s->k, ap + i * s->k);
    for (int64_t j = 0; j < s->n; j++) {
        const void *b = (const char *)s->b + j * s->b_cs * size_b;
        int kind = s->kb;
        if (!ready_b) { TG__FT(tg__gemm_line)(s->kb, b, s->b_rs, s->k, bp); b = bp; kind = TG__GEMM_OWN; }
        for (int64_t i = 0; i < s->m; i++) {
            const TG__T *a = ready_a ? (const TG__T *)s->a + i * s->a_rs : ap + i * s->k;
#define TG__G_DOT(K) d[i * s->d_rs + j] = TG__FT(tg__gemm_dot)(K, s->k, a, b)
            TG__G_KINDS(kind, TG__G_DOT);
#undef TG__G_DOT
        }
    }
}

/* m = 1 and columns of b side by side: sums of the lanes cls, cls + classes, ... of every column, 8 of them
   or 2. Rows of one lane are 64 apart; several are taken at once, so the sums y pass through L1 once for all
   of them. Lanes come in the order in which they fold, so at most four vectors of sums wait: room for 4 * n
   numbers in work. */
TG__INLINE void TG__FT(tg__gemm_lane_rows)(int kind, int rows, const tg__gemm_part *s, int64_t i, TG__T *y) {
    const int64_t up = 64 * s->b_rs, size = kind == TG__GEMM_OWN ? (int64_t)sizeof(TG__T) : 2, ahead = 512;
    /* from the end of these rows to the ones after */
    const int64_t next = i + 64 * rows < s->k ? (up * rows - s->n) * size : 0;
    TG__V a[4];
    int64_t j = 0;
    for (int r = 0; r < rows; r++) a[r] = TG__W(set)(TG__FT(tg__gemm_get)(s->a, (i + 64 * r) * s->a_cs, s->ka));
    for (int64_t at = i * s->b_rs; j < s->n; j += TG__VN, at += TG__VN) {
        TG__V v = TG__W(load)(y + j);
        if (s->n - j >= TG__VN) {
            /* rows as far apart as these are too much for the machine's own prefetching */
            if (TG__VN > 1) {
                const char *f = (const char *)s->b + (at + ahead) * size + (j + ahead < s->n ? 0 : next);
                TG__PREFETCH(f);
                if (rows > 1) {
                    TG__PREFETCH(f + up * size); TG__PREFETCH(f + 2 * up * size); TG__PREFETCH(f + 3 * up * size);
                }
            }
            v = TG__W(fma)(a[0], TG__FT(tg__gemm_load)(s->b, at, TG__VN, kind), v);
            if (rows > 1) v = TG__W(fma)(a[1], TG__FT(tg__gemm_load)(s->b, at + up, TG__VN, kind), v);
            if (rows > 2) v = TG__W(fma)(a[2], TG__FT(tg__gemm_load)(s->b, at + 2 * up, TG__VN, kind), v);
            if (rows > 3) v = TG__W(fma)(a[3], TG__FT(tg__gemm_load)(s->b, at + 3 * up, TG__VN, kind), v);
        } else {
            for (int r = 0; r < rows; r++)
                v = TG__W(fma)(a[r], TG__FT(tg__gemm_load)(s->b, at + r * up, s->n - j, kind), v);
        }
        TG__W(store)(y + j, v);
    }
}
TG__INLINE void TG__FT(tg__gemm_lane)(int kind, const tg__gemm_part *s, int64_t from, TG__T *y) {
    int64_t i = from;
    for (int64_t j = 0; j < s->n; j += TG__VN) TG__W(store)(y + j, TG__W(set)(0));
    for (; i + 64 * 3 < s->k; i += 64 * 4) TG__FT(tg__gemm_lane_rows)(kind, 4, s, i, y);
    for (; i < s->k; i += 64) TG__FT(tg__gemm_lane_rows)(kind, 1, s, i, y);
    if (s->k % 64 && from >= s->k % 64)                 /* the padding of K: -0 becomes 0, as in tg__gemm_dot */
        for (int64_t j = 0; j < s->n; j += TG__VN)
            TG__W(store)(y + j, TG__W(fma)(TG__W(set)(0), TG__W(set)(0), TG__W(load)(y + j)));
}
TG__PRIVATE void TG__FT(tg__gemm_lanes)(const tg__gemm_part *s, int cls, int classes) {
    const int64_t span = (s->n + TG__VN - 1) / TG__VN * TG__VN;
    TG__T *top = (TG__T *)s->work;                                            /* [4, span] */
    for (int x = 0; x < 64 / classes; x++) {
        int lane = cls;
        for (int bit = 1, step = 32; bit < 64 / classes; bit *= 2, step /= 2)
            if (x & bit) lane += step;
#define TG__G_LANE(K) TG__FT(tg__gemm_lane)(K, s, lane, top)
        TG__G_KINDS(s->kb, TG__G_LANE);
#undef TG__G_LANE
        top += span;
        for (int y = x + 1; !(y & 1); y >>= 1) {
            top -= span;
            for (int64_t j = 0; j < s->n; j += TG__VN)
                TG__W(store)(top - span + j, TG__W(add)(TG__W(load)(top - span + j), TG__W(load)(top + j)));
        }
    }
    for (int64_t j = 0; j < s->n; j += TG__VN)
        TG__FT(tg__gemm_store)(s->d, j, s->n - j, TG__GEMM_OWN, TG__W(load)((TG__T *)s->work + j));
}

/* ----------------------------------------------------------------- from sums to c ---- */
TG__PRIVATE void TG__FT(tg__gemm_finish)(const tg__gemm_last *f) {
    const int64_t step = f->c_cs == 1 && (!f->bias || f->bias_cs == 1 || f->bias_cs == 0) ? TG__VN : 1;
    for (int64_t i = 0; i < f->m; i++)
        for (int64_t j = 0; j < f->n; j += step) {
            const int64_t n = f->n - j < step ? f->n - j : step;
            TG__V v = TG__W(set)(0);
            for (int64_t p = 0; p < f->parts; p++) {
                const TG__T *s = (const TG__T *)f->s + p * f->tree * f->part_step + i * f->s_rs + j;
                TG__V u = TG__FT(tg__gemm_load)(s, 0, n, TG__GEMM_OWN);
                /* taken in the order in which they fold */
                if (f->tree > 1) {
                    TG__V t[6];
                    int top = 0;
                    for (int x = 0; x < f->tree; x++) {
                        int q = 0;
                        for (int bit = 1, half = f->tree / 2; half > 0; bit *= 2, half /= 2)
                            if (x & bit) q += half;
                        t[top++] = TG__FT(tg__gemm_load)(s, q * f->part_step, n, TG__GEMM_OWN);
                        for (int y = x + 1; !(y & 1); y >>= 1) {
                            top--;
                            t[top - 1] = TG__W(add)(t[top - 1], t[top]);
                        }
                    }
                    u = t[0];
                }
                v = p ? TG__W(add)(v, u) : u;
            }
            if (f->bias) {
                const int64_t at = i * f->bias_rs + j * f->bias_cs;
                v = TG__W(add)(v, f->bias_cs == 0 ? TG__W(set)(TG__FT(tg__gemm_get)(f->bias, at, f->kc))
                    : TG__FT(tg__gemm_load)(f->bias, at, n, f->kc));
            }
            const int64_t at = i * f->c_rs + j * f->c_cs;
            if (f->accumulate) v = TG__W(add)(TG__FT(tg__gemm_load)(f->c, at, n, f->kc), v);
            TG__FT(tg__gemm_store)(f->c, at, n, f->kc, v);
        }
}

#endif

#ifdef TG__LEVELS
#pragma GCC pop_options
#endif

/* ======================================================================================
   >>pass-convert    runs of half-precision numbers to and from f32
   ====================================================================================== */
#if !defined(TG__T)
#define TG__CONVERT(name, from, to, body, body_part) \
    TG__PRIVATE void TG__FN(name)(int64_t n, to *d, const from *s) { \
        int64_t i = 0; \
        for (; i + TG__VN_F32 <= n; i += TG__VN_F32) { body } \
        if (i < n) { int r = (int)(n - i); body_part } }
#define TG__WF(word) TG__FN(tg__w_##word##_f32)
TG__CONVERT(tg__f16_to_f32, uint16_t, float, TG__WF(store)(d + i, TG__WF(loadh)(s + i));,
    TG__WF(storen)(d + i, TG__WF(loadhn)(s + i, r), r);)
TG__CONVERT(tg__bf16_to_f32, uint16_t, float, TG__WF(store)(d + i, TG__WF(loadbf)(s + i));,
    TG__WF(storen)(d + i, TG__WF(loadbfn)(s + i, r), r);)
TG__CONVERT(tg__f32_to_f16, float, uint16_t, TG__WF(storeh)(d + i, TG__WF(load)(s + i));,
    TG__WF(storehn)(d + i, TG__WF(loadn)(s + i, r), r);)
TG__CONVERT(tg__f32_to_bf16, float, uint16_t, TG__WF(storebf)(d + i, TG__WF(load)(s + i));,
    TG__WF(storebfn)(d + i, TG__WF(loadn)(s + i, r), r);)
#undef TG__CONVERT
#undef TG__WF
#endif

/* ======================================================================================
   >>pass-random    Philox words, uniform and normal numbers from them
   ====================================================================================== */
#if !defined(TG__T)
#ifndef TG__PHILOX_M0
#define TG__PHILOX_M0 0xd2511f53u
#define TG__PHILOX_M1 0xcd9e8d57u
#define TG__PHILOX_K0 0x9e3779b9u
#define TG__PHILOX_K1 0xbb67ae85u
#endif
#if defined(TG__PASS_AVX512)
#define TG__PV __m512i
#define TG__P(word) _mm512_##word
#define TG__P_SET _mm512_set1_epi64
#define TG__P_XOR _mm512_xor_si512
#define TG__P_OR  _mm512_or_si512
#define TG__P_AND _mm512_and_si512
#elif defined(TG__PASS_AVX2)
#define TG__PV __m256i
#define TG__P(word) _mm256_##word
#define TG__P_SET _mm256_set1_epi64x
#define TG__P_XOR _mm256_xor_si256
#define TG__P_OR  _mm256_or_si256
#define TG__P_AND _mm256_and_si256
#endif
#if defined(TG__PV)
/* Blocks in vectors, one word of one block in each 64 bits: the multiplication reads the lower half alone, so
   the upper one may hold anything until the end. */
TG__PRIVATE int64_t TG__FN(tg__philox_vectors)(int64_t blocks, uint64_t first, uint64_t key, uint64_t call,
    uint32_t *words) {
    enum { lanes = sizeof(TG__PV) / 8 };
    const TG__PV m0 = TG__P_SET(TG__PHILOX_M0), m1 = TG__P_SET(TG__PHILOX_M1), low = TG__P_SET(0xffffffff);
    int64_t keys[20], b;
    int r;
    for (r = 0; r < 10; r++) {
        keys[2 * r] = (int64_t)((uint32_t)key + (uint32_t)r * TG__PHILOX_K0);
        keys[2 * r + 1] = (int64_t)((uint32_t)(key >> 32) + (uint32_t)r * TG__PHILOX_K1);
    }
    for (b = 0; b + lanes <= blocks; b += lanes, words += 4 * lanes) {
#if defined(TG__PASS_AVX512)
        TG__PV c0 = _mm512_add_epi64(_mm512_set1_epi64((int64_t)(first + (uint64_t)b)),
            _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7));
#else
        TG__PV c0 = _mm256_add_epi64(_mm256_set1_epi64x((int64_t)(first + (uint64_t)b)),
            _mm256_setr_epi64x(0, 1, 2, 3));
#endif
        TG__PV c1 = TG__P(srli_epi64)(c0, 32), c2 = TG__P_SET((int64_t)call), c3 = TG__P(srli_epi64)(c2, 32), p, q;
        for (r = 0; r < 10; r++) {
            p = TG__P(mul_epu32)(c0, m0); q = TG__P(mul_epu32)(c2, m1);
            c0 = TG__P_XOR(TG__P_XOR(TG__P(srli_epi64)(q, 32), c1), TG__P_SET(keys[2 * r])); c1 = q;
            c2 = TG__P_XOR(TG__P_XOR(TG__P(srli_epi64)(p, 32), c3), TG__P_SET(keys[2 * r + 1])); c3 = p;
        }
        c0 = TG__P_OR(TG__P_AND(c0, low), TG__P(slli_epi64)(c1, 32));      /* words 0 and 1 of every block */
        c2 = TG__P_OR(TG__P_AND(c2, low), TG__P(slli_epi64)(c3, 32));
#if defined(TG__PASS_AVX512)
        _mm512_storeu_si512(words, _mm512_permutex2var_epi64(c0, _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11), c2));
        _mm512_storeu_si512(words + 16,
            _mm512_permutex2var_epi64(c0, _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15), c2));
#else
        /* blocks 0 and 2, blocks 1 and 3 */
        p = _mm256_unpacklo_epi64(c0, c2); q = _mm256_unpackhi_epi64(c0, c2);
        _mm256_storeu_si256((__m256i *)(void *)words, _mm256_permute2x128_si256(p, q, 0x20));
        _mm256_storeu_si256((__m256i *)(void *)(words + 8), _mm256_permute2x128_si256(p, q, 0x31));
#endif
    }
    return b;
}
#endif
TG__PRIVATE void TG__FN(tg__philox)(int64_t blocks, uint64_t first, uint64_t key, uint64_t call, uint32_t *words) {
    int64_t b = 0;
    int r;
#if defined(TG__PV)
    b = TG__FN(tg__philox_vectors)(blocks, first, key, call, words);
#endif
    for (; b < blocks; b++) {
        uint64_t at = first + (uint64_t)b;
        uint32_t c0 = (uint32_t)at, c1 = (uint32_t)(at >> 32), c2 = (uint32_t)call,
            c3 = (uint32_t)(call >> 32), k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
        for (r = 0; r < 10; r++) {
            uint64_t p = (uint64_t)TG__PHILOX_M0 * c0, q = (uint64_t)TG__PHILOX_M1 * c2;
            c0 = (uint32_t)(q >> 32) ^ c1 ^ k0; c1 = (uint32_t)q;
            c2 = (uint32_t)(p >> 32) ^ c3 ^ k1; c3 = (uint32_t)p;
            k0 += TG__PHILOX_K0; k1 += TG__PHILOX_K1;
        }
        words[4 * b] = c0; words[4 * b + 1] = c1; words[4 * b + 2] = c2; words[4 * b + 3] = c3;
    }
}
#undef TG__P
#undef TG__PV
#undef TG__P_SET
#undef TG__P_XOR
#undef TG__P_OR
#undef TG__P_AND
#else
/* Elements from their words: the top bits as fractions in [0, 1). All of this works on whole vectors: w and y
   have room for them. */
#ifdef TG__TYPE_F32
#define TG__UNIT 5.9604644775390625e-8f
TG__INLINE TG__V TG__FT(tg__fractions)(const uint32_t *w) {
    return TG__W(mul)(TG__W(i2f)(TG__W(ishr)(TG__W(iload)((const int32_t *)w), 8)), TG__W(set)(TG__UNIT));
}
#define TG__WORDS 1
#else
#define TG__UNIT 1.1102230246251565e-16
TG__INLINE TG__V TG__FT(tg__fractions)(const uint32_t *w) {
    double t[TG__VN];
    for (int i = 0; i < TG__VN; i++) t[i] = (double)(((uint64_t)w[2 * i + 1] << 32 | w[2 * i]) >> 11) * TG__UNIT;
    return TG__W(load)(t);
}
#define TG__WORDS 2
#endif
TG__PRIVATE void TG__FT(tg__uniform)(int64_t n, TG__T *y, const uint32_t *w, TG__T a, TG__T b) {
    const TG__V low = TG__W(set)(a), high = TG__W(set)(b), width = TG__W(set)(b - a);
    for (int64_t i = 0; i < n; i += TG__VN) {
        TG__V v = TG__W(add)(low, TG__W(mul)(TG__FT(tg__fractions)(w + TG__WORDS * i), width));
        /* rounding may reach b, which is excluded */
        TG__W(store)(y + i, TG__W(select)(TG__W(mand)(TG__W(ge)(v, high), TG__W(lt)(low, high)), low, v));
    }
}
/* Zero with probability p, else b. */
TG__PRIVATE void TG__FT(tg__keep)(int64_t n, TG__T *y, const uint32_t *w, TG__T p, TG__T b) {
    for (int64_t i = 0; i < n; i += TG__VN)
        TG__W(store)(y + i, TG__W(select)(TG__W(lt)(TG__FT(tg__fractions)(w + TG__WORDS * i), TG__W(set)(p)),
            TG__W(set)(0), TG__W(set)(b)));
}
/* Elements 2i and 2i + 1: sqrt(-2 log u) times the cosine and the sine of 2 pi v, u in (0, 1]. */
TG__PRIVATE void TG__FT(tg__normal)(int64_t n, TG__T *y, const uint32_t *w, TG__T mean, TG__T std) {
    TG__T t[128], u[64], v[64];
    for (int64_t at = 0; at < n; at += 128) {
        const int64_t m = n - at < 128 ? n - at : 128, pairs = m / 2;
        int64_t i;
        for (i = 0; i < m; i += TG__VN) TG__W(store)(t + i, TG__FT(tg__fractions)(w + TG__WORDS * (at + i)));
        for (i = 0; i < pairs; i++) { u[i] = t[2 * i]; v[i] = t[2 * i + 1]; }
        for (; i % TG__VN; i++) u[i] = v[i] = 0;
        for (i = 0; i < pairs; i += TG__VN) {
            TG__V r = TG__W(log)(TG__W(add)(TG__W(load)(u + i), TG__W(set)(TG__UNIT))),
                a = TG__W(mul)(TG__W(load)(v + i), TG__W(set)((TG__T)6.283185307179586477));
            r = TG__W(mul)(TG__W(sqrt)(TG__W(mul)(TG__W(set)(-2), r)), TG__W(set)(std));
            TG__W(store)(u + i, TG__W(add)(TG__W(mul)(r, TG__W(cos)(a)), TG__W(set)(mean)));
            TG__W(store)(v + i, TG__W(add)(TG__W(mul)(r, TG__W(sin)(a)), TG__W(set)(mean)));
        }
        for (i = 0; i < pairs; i++) { y[at + 2 * i] = u[i]; y[at + 2 * i + 1] = v[i]; }
    }
}
#undef TG__WORDS
#undef TG__UNIT
#endif

/* ======================================================================================
   >>pass-conv    convolutions: filling padded planes, register tiles, weight gradients, the last step
   Read for float and for double. A convolution runs over planes: padded copies of a few rows of the source, one
   plane for every residue of the stride, in which each tap of the kernel is one fixed distance. So the inner
   loop is a matrix product whose second operand is read at a table of distances, and no matrix of columns is
   ever made.

   The order of summation, the same in every pass:
   - results and data gradients: channels are cut into equal blocks of at most 512 / taps (at least one); a block
     sums its channels upward, for each its taps in order, with FMA from zero; block sums are added in block
     order. Padding takes part as zeros.
   - weight gradients: positions in order (image, row, column) with FMA from zero within a unit, units of a part
     in order, then parts in order; >>impl-conv cuts units and parts by the sizes alone. With few result channels
     a unit is summed in lanes, see tg__conv_dots.
   Tests: tests/test_conv.c
   ====================================================================================== */
#if defined(TG__LEVELS) && !defined(TG__LESS_EFFORT)   /* many short loops here too */
#pragma GCC push_options
#pragma GCC optimize("tree-loop-optimize", "tree-dominator-opts")
#endif

#ifndef TG__CONV_ONCE
#define TG__CONV_ONCE
#define TG__C_R1(X) X(0)
#define TG__C_R2(X) TG__C_R1(X) X(1)
#define TG__C_R3(X) TG__C_R2(X) X(2)
#define TG__C_R4(X) TG__C_R3(X) X(3)
#define TG__C_R6(X) TG__C_R4(X) X(4) X(5)
#define TG__C_R8(X) TG__C_R6(X) X(6) X(7)

/* Panels of weights: out[panel][k][MR], k = channel * taps + tap. Strides in elements of the stored type. */
typedef struct tg__conv_weights {
    const void *w; int kind;
    int64_t m, channels, taps, sm, sc;
    const int64_t *tap;                      /* [taps] offset of each */
    bool    run;                             /* channels and taps are one run of elements */
    void   *out; int64_t step;               /* elements from one panel to the next */
} tg__conv_weights;

/* Planes: out[channel][plane][row][pitch]; row i of plane p is source row y0 + ry[p] + i * y_step, zero where
   there is none. */
typedef struct tg__conv_fill {
    const void *src; int kind;
    int64_t channels, h, w, sc, sh, sw;
    int64_t y0, x0, y_step, x_step;
    int64_t planes; const int64_t *ry, *rx;
    int64_t rows, pitch, plane, channel;
    void   *out;
} tg__conv_fill;

/* Sums of a block: d[m][d_rs] (+)= weights * planes; vector v of positions reads at x + place[v] + at[k]. */
typedef struct tg__conv_tiles {
    int64_t k, m, vectors;
    const int64_t *at, *place;
    const void *w; int64_t w_step;
    const void *x;
    void   *d; int64_t d_rs;
    bool    add;
} tg__conv_tiles;

/* From sums to the result: m maps of rows x cols. Strides in elements of the stored type. */
typedef struct tg__conv_last {
    int64_t m, rows, cols;
    const void *s; int64_t s_rs, s_row;
    const void *bias; int64_t bias_step;
    void   *y; int kind; int64_t ym, yh, yw;
} tg__conv_last;

/* Sums for the weights: d[panel][k][NR] (+)= sum over positions of x[position + at[k]] * g[panel][position][NR]. */
typedef struct tg__conv_gather {
    int64_t k, rows, cols, pitch, panels, width;       /* width: NR */
    const int64_t *at;
    const void *x;
    const void *g; int64_t g_step;
    void   *d; int64_t d_step;
    bool    add;
} tg__conv_gather;

/* The result's maps turned for it: out[panel][position][NR]. */
typedef struct tg__conv_turn {
    const void *g; int kind;
    int64_t o, rows, cols, so, sh, sw;
    void   *out; int64_t step, width;
} tg__conv_turn;

/* Sums for the weights where result channels are few: d[k][d_rs] and column o, both operands along positions.
   g: [o][rows][cols]. */
typedef struct tg__conv_dots {
    int64_t k, rows, cols, pitch, o;
    const int64_t *at;
    const void *x, *g; int64_t g_step;
    void   *d; int64_t d_rs;
    bool    add;
} tg__conv_dots;

/* The weight gradient from the parts' sums, one panel. */
typedef struct tg__conv_sum {
    /* channels stand in splits of so many rows */
    int64_t parts, part_step, o, channels, taps, width, split, split_rows;
    const void *s;
    void   *w; int kind; int64_t so, sc; const int64_t *tap;
} tg__conv_sum;
#endif

#if defined(TG__T)

/* MR rows (result channels) by up to three vectors (positions); a row less where registers are few. WR rows
   (channel and tap) by up to two vectors (result channels). */
#undef TG__C_MR
#undef TG__C_EACH
#undef TG__C_WR
#undef TG__C_WROWS
#if defined(TG__PASS_AVX512) || defined(TG__PASS_NEON)
#define TG__C_MR 8
#define TG__C_EACH(X, NV) X(1, NV) X(2, NV) X(4, NV) X(6, NV) X(8, NV)
#define TG__C_WR 8
#define TG__C_WROWS TG__C_R8
#elif defined(TG__PASS_AVX2)
#define TG__C_MR 4
#define TG__C_EACH(X, NV) X(1, NV) X(2, NV) X(4, NV)
#define TG__C_WR 6
#define TG__C_WROWS TG__C_R6
#else
#define TG__C_MR 4
#define TG__C_EACH(X, NV) X(1, NV) X(2, NV) X(4, NV)
#define TG__C_WR 4
#define TG__C_WROWS TG__C_R4
#endif

/* What >>impl-conv must know: 0 rows of a weight panel, 1 lanes, 2 rows of a gather tile. */
TG__PRIVATE int64_t TG__FT(tg__conv_shape)(int what) {
    return what == 0 ? TG__C_MR : what == 1 ? TG__VN : TG__C_WR;
}

TG__PRIVATE void TG__FT(tg__conv_panels)(const tg__conv_weights *s) {
    const int64_t size = s->kind == TG__GEMM_OWN ? (int64_t)sizeof(TG__T) : 2;
    for (int64_t i = 0; i < s->m; i += TG__C_MR) {
        const int64_t rows = s->m - i < TG__C_MR ? s->m - i : TG__C_MR;
        TG__T *out = (TG__T *)s->out + i / TG__C_MR * s->step;
        if (s->run) {
            TG__FT(tg__gemm_pack)(s->kind, (const char *)s->w + i * s->sm * size, 1, s->sm,
                s->channels * s->taps, rows, out, TG__C_MR);
            continue;
        }
        for (int64_t c = 0; c < s->channels; c++)
            for (int64_t t = 0; t < s->taps; t++, out += TG__C_MR)
                for (int64_t r = 0; r < TG__C_MR; r++)
                    out[r] = r < rows
                        ? TG__FT(tg__gemm_get)(s->w, (i + r) * s->sm + c * s->sc + s->tap[t], s->kind) : (TG__T)0;
    }
}

/* ------------------------------------------------------------------------- planes ---- */
TG__INLINE void TG__FT(tg__conv_zero)(TG__T *p, int64_t n) {
    int64_t i = 0;
    for (; i + TG__VN <= n; i += TG__VN) TG__W(store)(p + i, TG__W(set)(0));
    for (; i < n; i++) p[i] = 0;
}
/* Rows are written upward, whole vectors at a time: the last one runs into the next row, which comes later,
   or into room behind everything. */
TG__PRIVATE void TG__FT(tg__conv_fill_plane)(const tg__conv_fill *s, int64_t c, int64_t p) {
    const int64_t y0 = s->y0 + s->ry[p], x0 = s->x0 + s->rx[p], pitch = s->pitch;
    int64_t i0 = x0 >= 0 ? 0 : (-x0 + s->x_step - 1) / s->x_step,
        i1 = x0 >= s->w ? 0 : (s->w - x0 + s->x_step - 1) / s->x_step;
    if (i1 > pitch) i1 = pitch;                                 /* source columns exist for i0 <= i < i1 */
    if (i0 > i1) i0 = i1;
    /* positions in the padding are counted, never multiplied by a stride: padding may be as wide as it likes */
    const int64_t n = i1 - i0, step = n > 1 ? s->sw * s->x_step : 1;
    const int64_t from = n ? c * s->sc + (x0 + i0 * s->x_step) * s->sw : 0;
    int64_t y = y0;
    TG__T *out = (TG__T *)s->out + c * s->channel + p * s->plane;
    for (int64_t i = 0; i < s->rows; i++, out += pitch, y += s->y_step) {
        int64_t q = 0;
        if (y < 0 || y >= s->h || n == 0) { TG__FT(tg__conv_zero)(out, pitch); continue; }
        const int64_t at = from + y * s->sh;
        for (; q < i0; q++) out[q] = 0;
        if (step == 1) {
            if (s->kind == TG__GEMM_OWN) {
                const TG__T *src = (const TG__T *)s->src + at - i0;
                for (; q + TG__VN <= i1; q += TG__VN) TG__W(store)(out + q, TG__W(load)(src + q));
                if (q < i1) { TG__W(store)(out + q, TG__W(loadn)(src + q, (int)(i1 - q))); q += TG__VN; }
            } else for (; q < i1; q += TG__VN)
                TG__W(store)(out + q, TG__FT(tg__gemm_load)(s->src, at + q - i0, i1 - q, s->kind));
        } else if (s->kind == TG__GEMM_OWN) {
            const TG__T *src = (const TG__T *)s->src + at;
            for (; q < i1; q++, src += step) out[q] = *src;
        } else {
            for (; q < i1; q++) out[q] = TG__FT(tg__gemm_get)(s->src, at + (q - i0) * step, s->kind);
        }
        for (; q < pitch; q++) out[q] = 0;
    }
}
/* A position's channels stand together: walked in that order. */
TG__PRIVATE void TG__FT(tg__conv_fill_last)(const tg__conv_fill *s, int64_t p) {
    for (int64_t i = 0; i < s->rows; i++) {
        const int64_t y = s->y0 + s->ry[p] + i * s->y_step;
        for (int64_t q = 0; q < s->pitch; q++) {
            const int64_t x = s->x0 + s->rx[p] + q * s->x_step;
            const bool in = y >= 0 && y < s->h && x >= 0 && x < s->w;
            const int64_t at = in ? y * s->sh + x * s->sw : 0;
            TG__T *out = (TG__T *)s->out + p * s->plane + i * s->pitch + q;
            if (!in) for (int64_t c = 0; c < s->channels; c++) out[c * s->channel] = 0;
            else if (s->kind == TG__GEMM_OWN)
                for (int64_t c = 0; c < s->channels; c++) out[c * s->channel] = ((const TG__T *)s->src)[at + c];
            else for (int64_t c = 0; c < s->channels; c++)
                out[c * s->channel] = TG__FT(tg__gemm_get)(s->src, at + c, s->kind);
        }
    }
}
TG__PRIVATE void TG__FT(tg__conv_fill)(const tg__conv_fill *s) {
    if (s->sc == 1 && s->sw != 1 && s->channels > 1) {
        for (int64_t p = 0; p < s->planes; p++) TG__FT(tg__conv_fill_last)(s, p);
    } else {
        for (int64_t c = 0; c < s->channels; c++)
            for (int64_t p = 0; p < s->planes; p++) TG__FT(tg__conv_fill_plane)(s, c, p);
    }
}

/* -------------------------------------------------------------------------- tiles ---- */
#undef TG__C_ARGS
#define TG__C_ARGS (int64_t k, const TG__T *w, const int64_t *at, const TG__T *x0, const TG__T *x1, const TG__T *x2, TG__T *d, int64_t d_rs, bool add)
#ifndef TG__C_Z1
#define TG__C_Z1(r) TG__V c##r##_0 = zero;
#define TG__C_Z2(r) TG__C_Z1(r) TG__V c##r##_1 = zero;
#define TG__C_Z3(r) TG__C_Z2(r) TG__V c##r##_2 = zero;
#define TG__C_B1 const TG__V b0 = TG__W(load)(x0 + o);
#define TG__C_B2 TG__C_B1 const TG__V b1 = TG__W(load)(x1 + o);
#define TG__C_B3 TG__C_B2 const TG__V b2 = TG__W(load)(x2 + o);
#define TG__C_F1(r) x = TG__W(set)(w[r]); c##r##_0 = TG__W(fma)(x, b0, c##r##_0);
#define TG__C_F2(r) TG__C_F1(r) c##r##_1 = TG__W(fma)(x, b1, c##r##_1);
#define TG__C_F3(r) TG__C_F2(r) c##r##_2 = TG__W(fma)(x, b2, c##r##_2);
#define TG__C_A1(r) c##r##_0 = TG__W(add)(TG__W(load)(d + r * d_rs), c##r##_0);
#define TG__C_A2(r) TG__C_A1(r) c##r##_1 = TG__W(add)(TG__W(load)(d + r * d_rs + TG__VN), c##r##_1);
#define TG__C_A3(r) TG__C_A2(r) c##r##_2 = TG__W(add)(TG__W(load)(d + r * d_rs + 2 * TG__VN), c##r##_2);
#define TG__C_S1(r) TG__W(store)(d + r * d_rs, c##r##_0);
#define TG__C_S2(r) TG__C_S1(r) TG__W(store)(d + r * d_rs + TG__VN, c##r##_1);
#define TG__C_S3(r) TG__C_S2(r) TG__W(store)(d + r * d_rs + 2 * TG__VN, c##r##_2);
#define TG__C_TILE(R, NV) \
TG__PRIVATE void TG__FT(tg__conv_tile_##R##_##NV) TG__C_ARGS { \
    const TG__V zero = TG__W(set)(0); \
    TG__V x; \
    TG__C_R##R(TG__C_Z##NV) \
    for (; k > 0; k--) { \
        const int64_t o = *at++; \
        TG__C_B##NV \
        TG__C_R##R(TG__C_F##NV) \
        w += TG__C_MR; \
    } \
    if (add) { TG__C_R##R(TG__C_A##NV) } \
    TG__C_R##R(TG__C_S##NV) \
    (void)x1; (void)x2; (void)d_rs; \
}
#define TG__C_PICK(R, NV) TG__FT(tg__conv_tile_##R##_##NV),
#endif
TG__C_EACH(TG__C_TILE, 1)
TG__C_EACH(TG__C_TILE, 2)
TG__C_EACH(TG__C_TILE, 3)
static void (*const TG__FT(tg__conv_tile)[3][TG__C_MR == 8 ? 5 : 3]) TG__C_ARGS =
    { { TG__C_EACH(TG__C_PICK, 1) }, { TG__C_EACH(TG__C_PICK, 2) }, { TG__C_EACH(TG__C_PICK, 3) } };

TG__PRIVATE void TG__FT(tg__conv_tiles)(const tg__conv_tiles *s) {
    for (int64_t i = 0; i < s->m; i += TG__C_MR) {
        const int64_t rows = s->m - i;
        const int pick = rows == 1 ? 0 : rows == 2 ? 1 : rows <= 4 ? 2 : TG__C_MR == 4 ? 2 : rows <= 6 ? 3 : 4;
        const TG__T *w = (const TG__T *)s->w + i / TG__C_MR * s->w_step, *x = (const TG__T *)s->x;
        TG__T *d = (TG__T *)s->d + i * s->d_rs;
        for (int64_t nv, v = 0; v < s->vectors; v += nv) {
            nv = s->vectors - v == 4 ? 2 : s->vectors - v < 3 ? s->vectors - v : 3;
            TG__FT(tg__conv_tile)[nv - 1][pick](s->k, w, s->at, x + s->place[v], x + s->place[v + (nv > 1)],
                x + s->place[v + nv - 1], d + v * TG__VN, s->d_rs, s->add);
        }
    }
}

TG__PRIVATE void TG__FT(tg__conv_last)(const tg__conv_last *f) {
    const int64_t size = f->kind == TG__GEMM_OWN ? (int64_t)sizeof(TG__T) : 2, step = f->yw == 1 ? TG__VN : 1;
    for (int64_t i = 0; i < f->m; i++) {
        const TG__V bias =
            TG__W(set)(f->bias ? TG__FT(tg__gemm_get)(f->bias, i * f->bias_step, f->kind) : (TG__T)0);
        for (int64_t r = 0; r < f->rows; r++) {
            const TG__T *s = (const TG__T *)f->s + i * f->s_rs + r * f->s_row;
            char *y = (char *)f->y + (i * f->ym + r * f->yh) * size;
            if (step == 1 && f->kind == TG__GEMM_OWN) {
                const TG__T b = f->bias ? ((const TG__T *)f->bias)[i * f->bias_step] : (TG__T)0;
                for (int64_t q = 0; q < f->cols; q++) ((TG__T *)(void *)y)[q * f->yw] = f->bias ? s[q] + b : s[q];
                continue;
            }
            for (int64_t q = 0; q < f->cols; q += step) {
                const int64_t n = f->cols - q < step ? f->cols - q : step;
                TG__V v = TG__FT(tg__gemm_load)(s, q, n, TG__GEMM_OWN);
                if (f->bias) v = TG__W(add)(v, bias);
                TG__FT(tg__gemm_store)(y, q * f->yw, n, f->kind, v);
            }
        }
    }
}

/* ---------------------------------------------------------------- weight gradients ---- */
TG__PRIVATE void TG__FT(tg__conv_turn)(const tg__conv_turn *s) {
    const int64_t size = s->kind == TG__GEMM_OWN ? (int64_t)sizeof(TG__T) : 2, width = s->width;
    const bool flat = s->sh == s->cols * s->sw;
    for (int64_t j = 0; j < s->o; j += width) {
        const int64_t n = s->o - j < width ? s->o - j : width;
        TG__T *out = (TG__T *)s->out + j / width * s->step;
        const char *g = (const char *)s->g + j * s->so * size;
        if (flat) TG__FT(tg__gemm_pack)(s->kind, g, s->sw, s->so, s->rows * s->cols, n, out, width);
        else for (int64_t r = 0; r < s->rows; r++)
            TG__FT(tg__gemm_pack)(s->kind, g + r * s->sh * size, s->sw, s->so, s->cols, n,
                out + r * s->cols * width, width);
    }
}

#ifndef TG__C_P
#define TG__C_P(r) const TG__T *p##r = x + at[r];
#define TG__C_G1 const TG__V b0 = TG__W(load)(g); g += TG__VN;
#define TG__C_G2 const TG__V b0 = TG__W(load)(g), b1 = TG__W(load)(g + TG__VN); g += 2 * TG__VN;
#define TG__C_H1(r) v = TG__W(set)(p##r[q]); c##r##_0 = TG__W(fma)(v, b0, c##r##_0);
#define TG__C_H2(r) TG__C_H1(r) c##r##_1 = TG__W(fma)(v, b1, c##r##_1);
#define TG__C_WTILE(NV) \
TG__PRIVATE void TG__FT(tg__conv_gather_##NV)(const tg__conv_gather *s, const int64_t *at, const TG__T *g, TG__T *d, bool add) { \
    const TG__V zero = TG__W(set)(0); \
    const TG__T *x = (const TG__T *)s->x; \
    const int64_t cols = s->cols, gap = s->pitch - cols, d_rs = (NV) * TG__VN; \
    TG__V v; \
    TG__C_WROWS(TG__C_P) \
    TG__C_WROWS(TG__C_Z##NV) \
    int64_t q = 0; \
    for (int64_t row = s->rows; row > 0; row--, q += gap) \
        for (const int64_t end = q + cols; q < end; q++) { \
            TG__C_G##NV \
            TG__C_WROWS(TG__C_H##NV) \
        } \
    if (add) { TG__C_WROWS(TG__C_A##NV) } \
    TG__C_WROWS(TG__C_S##NV) \
}
#endif
TG__C_WTILE(1)
TG__C_WTILE(2)
TG__PRIVATE void TG__FT(tg__conv_gather)(const tg__conv_gather *s) {
    for (int64_t j = 0; j < s->panels; j++)
        for (int64_t i = 0; i < s->k; i += TG__C_WR) {
            int64_t at[TG__C_WR];
            /* the rows past k are never read */
            for (int64_t r = 0; r < TG__C_WR; r++) at[r] = s->at[i + r < s->k ? i + r : s->k - 1];
            (s->width > TG__VN ? TG__FT(tg__conv_gather_2) : TG__FT(tg__conv_gather_1))(s, at,
                (const TG__T *)s->g + j * s->g_step, (TG__T *)s->d + j * s->d_step + i * s->width, s->add);
        }
}

/* Few result channels would leave lanes empty there: here lanes lie along a row's columns. Column i goes to
   lane i mod 16 (8 of double) with FMA, row after row; lanes are folded 8, 4, 2, 1. */
#undef TG__C_LANES
#undef TG__C_LV
#define TG__C_LANES ((int64_t)(64 / sizeof(TG__T)))
#define TG__C_LV ((int)(64 / sizeof(TG__T)) / TG__VN)
#ifndef TG__C_D0
#define TG__C_D0(r) const TG__T *p##r = (const TG__T *)s->x + s->at[i + r < s->k ? i + r : s->k - 1]; TG__V c##r[TG__C_LV]; for (int u = 0; u < TG__C_LV; u++) c##r[u] = zero;
#define TG__C_D1(r) c##r[u] = TG__W(fma)(v, TG__W(load)(p##r + q + u * TG__VN), c##r[u]);
#define TG__C_D2(r) c##r[u] = TG__W(fma)(v, TG__W(loadn)(p##r + q + u * TG__VN, (int)n), c##r[u]);
#define TG__C_D3(r) if (i + r < s->k) { \
        for (int u = 0; u < TG__C_LV; u++) TG__W(store)(lane + u * TG__VN, c##r[u]); \
        for (int half = (int)TG__C_LANES / 2; half; half /= 2) for (int u = 0; u < half; u++) lane[u] += lane[u + half]; \
        d[r * s->d_rs] = s->add ? d[r * s->d_rs] + lane[0] : lane[0]; }
#endif
TG__PRIVATE void TG__FT(tg__conv_dots)(const tg__conv_dots *s) {
    const TG__V zero = TG__W(set)(0);
    TG__T lane[64 / sizeof(TG__T)];
    for (int64_t o = 0; o < s->o; o++)
        for (int64_t i = 0; i < s->k; i += 4) {
            TG__T *d = (TG__T *)s->d + i * s->d_rs + o;
            const TG__T *g = (const TG__T *)s->g + o * s->g_step;
            TG__C_R4(TG__C_D0)
            for (int64_t row = 0; row < s->rows; row++, g += s->cols) {
                int64_t q = row * s->pitch, at = 0;
                for (; at + TG__C_LANES <= s->cols; at += TG__C_LANES, q += TG__C_LANES)
                    for (int u = 0; u < TG__C_LV; u++) {
                        const TG__V v = TG__W(load)(g + at + u * TG__VN);
                        TG__C_R4(TG__C_D1)
                    }
                for (int u = 0; u < TG__C_LV; u++) {
                    const int64_t n = s->cols - at - u * TG__VN;
                    if (n >= TG__VN) {
                        const TG__V v = TG__W(load)(g + at + u * TG__VN);
                        TG__C_R4(TG__C_D1)
                    } else if (n > 0) {
                        const TG__V v = TG__W(loadn)(g + at + u * TG__VN, (int)n);
                        TG__C_R4(TG__C_D2)
                    }
                }
            }
            TG__C_R4(TG__C_D3)
        }
}

TG__PRIVATE void TG__FT(tg__conv_sum)(const tg__conv_sum *s) {
    for (int64_t c = 0; c < s->channels; c++)
        for (int64_t t = 0; t < s->taps; t++)
            for (int64_t o = 0; o < s->o; o++) {
                const TG__T *p = (const TG__T *)s->s +
                    (c / s->split * s->split_rows + c % s->split * s->taps + t) * s->width + o;
                TG__T v = p[0];
                for (int64_t i = 1; i < s->parts; i++) v += p[i * s->part_step];
                TG__FT(tg__gemm_store)(s->w, o * s->so + c * s->sc + s->tap[t], 1, s->kind, TG__W(set)(v));
            }
}
#endif

#if defined(TG__LEVELS) && !defined(TG__LESS_EFFORT)
#pragma GCC pop_options
#endif

/* ---- the second and third reading ---- */
#if !defined(TG__T)
#undef TG__FT
#define TG__T float
#define TG__TYPE_F32 1
#define TG__VN TG__VN_F32
#define TG__V TG__FN(tg__vf32)
#define TG__M TG__FN(tg__mf32)
#define TG__VI TG__FN(tg__vi32)
#define TG__I int32_t
#define TG__W(word) TG__FN(tg__w_##word##_f32)
#define TG__FT(name) TG__FN(name##_f32)
#include TENSORGRAD_FILENAME
#undef TG__T
#undef TG__TYPE_F32
#undef TG__VN
#undef TG__V
#undef TG__M
#undef TG__VI
#undef TG__I
#undef TG__W
#undef TG__FT
#define TG__T double
#define TG__TYPE_F64 1
#define TG__VN TG__VN_F64
#define TG__V TG__FN(tg__vf64)
#define TG__M TG__FN(tg__mf64)
#define TG__VI TG__FN(tg__vi64)
#define TG__I int64_t
#define TG__W(word) TG__FN(tg__w_##word##_f64)
#define TG__FT(name) TG__FN(name##_f64)
#include TENSORGRAD_FILENAME
#undef TG__T
#undef TG__TYPE_F64
#undef TG__VN
#undef TG__V
#undef TG__M
#undef TG__VI
#undef TG__I
#undef TG__W
#undef TG__FT
#if defined(TG__PASS_AVX512) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
#undef TG__VN_F32
#undef TG__VN_F64
#undef TG__PASS
#undef TG__PASS_PLAIN
#undef TG__PASS_STRICT
#undef TG__PASS_AVX2
#undef TG__PASS_AVX512
#undef TG__PASS_NEON
#endif
#endif /* TG__PASS */

/* ======================================================================================
   >>changes    newest first
   The version's first number changes when a program must be changed, the second when something was added, the
   third when something was mended. Names of operations and numbers of messages are never reused.

   0.1.0    the core: context, scopes, errors, tensors, the graph to any order, formulas, reductions, matrix
            products, convolution, sorting and indexing, safetensors and npy.
   ====================================================================================== */

/* ======================================================================================
   >>licence    MIT

   Copyright (c) 2026 tensorgrad contributors

   Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
   documentation files (the "Software"), to deal in the Software without restriction, including without
   limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the
   Software, and to permit persons to whom the Software is furnished to do so, subject to the following
   conditions:

   The above copyright notice and this permission notice shall be included in all copies or substantial portions
   of the Software.

   THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED
   TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL
   THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF
   CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER
   DEALINGS IN THE SOFTWARE.
   ====================================================================================== */
