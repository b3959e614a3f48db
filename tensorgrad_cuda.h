/* tensorgrad_cuda.h - the tensors and operations of tensorgrad.h on an NVIDIA GPU. FIRST STAGE: see "what is not here yet".

   Beside tensorgrad.h, in its one source file, and where tg_cuda_open is called:

       #define TENSORGRAD_IMPLEMENTATION
       #include "tensorgrad.h"
       #include "tensorgrad_cuda.h"

   then, in a program:

       tg_device where = tg_cuda_open(tg, 0) ? TG_CUDA : TG_CPU;
       if (where == TG_CPU) { printf("%s\n", tg_error_text(tg)); tg_clear(tg); }        // says why, and goes on without
       tg_default_device(tg, where);            // new tensors and modules are made there
       x = tg_to_device(x, where);              // what was made before, read from a file, or comes from a dataset

   and everything else stays as it was: operations, derivatives to any order, optimisers, random numbers, errors.

   ---- what it needs ----
   To compile: nothing, `cc -O2 app.c`. No CUDA Toolkit, no nvcc; with a C library older than glibc 2.34 add -ldl.
   To run on a GPU of compute capability 7.5 or newer, found at run time by name:
     the driver    libcuda.so.1 or nvcuda.dll, which comes with the GPU's driver
     NVRTC         of CUDA 11.2 to 13: libnvrtc.so.11.2, .12, .13, nvrtc64_112_0.dll, 120, 130, with its
                   libnvrtc-builtins. Looked for where the loader looks, in CUDA_HOME and CUDA_PATH, in
                   /usr/local/cuda and /opt/cuda, in CONDA_PREFIX, and in VIRTUAL_ENV as the pip packages
                   nvidia-cuda-nvrtc-cu11, -cu12 and nvidia-cuda-nvrtc lay it out
     cuBLASLt      if it is there, of CUDA 11 to 13: libcublasLt.so.13, .12, .11, cublasLt64_13.dll, 12, 11; looked for
                   in the same places when the first product is asked for. Without it this file's kernels make products
     cuDNN         if it is there, version 8 or 9: libcudnn.so.9, .8, cudnn64_9.dll, 8, with the libraries beside it that it
                   loads itself; looked for in the same places, and in the pip packages nvidia-cudnn-cu11, -cu12, -cu13, when
                   the first convolution is asked for that it could make. Without it this file's kernels make convolutions
   To ship a program: put the two of NVRTC beside it, where the loader finds them, and cuBLASLt and cuDNN (some hundred
   megabytes each) where products and convolutions should be fast. What is missing of the first two is an error of
   tg_cuda_open that tells the names that were tried; that there is no cuBLASLt or no cuDNN the log says once.
   Or without NVRTC: run the program with .cache, once on a GPU of each compute capability that it shall serve, with all that it
   does; ship that folder, and open with .cache and .no_nvrtc. What was not kept then is an error of the call that needs it.

   ---- how it works ----
   A kernel is compiled the first time that it is asked for (0.1 to 1 second each, kept in the context): the text
   stands at the end of this file. It is the words and the maths of tensorgrad.h, with a fused multiply-add, and the
   rows of the formula table, so that a new row is an operation on the GPU too. One context has one stream and waits
   for it only where the host reads. Memory that was released is kept, by size, for what comes next on that stream:
   tg_memory counts it (device, device_cached), tg_trim returns it, .memory_limit bounds it.
   A step of an optimiser is one launch for each 56 packed parameters of the same rule and numbers, clipping too; the norm
   of all gradients is read once.

   With .cache, a folder that is there, compiled programs are kept between runs, a file each: the next run reads them
   instead of compiling. A file's name is made of the kernel's text and the compiler's options with the architecture; its
   content carries the versions of NVRTC and of the driver, and a checksum. What is damaged, cut off or foreign is compiled
   again and replaced; where the folder is missing or nobody may write there the log says so once, and nothing else
   happens. Several processes may share a folder. Whoever can write there decides what runs on the GPU: keep it the
   user's own. Files go through the config's hooks file_read and file_write where the host gives them. Nothing is ever
   deleted: an old folder may be emptied at any time.

   Copies to the GPU of more than 64 KB go through page-locked memory on a stream of their own and are not waited for,
   neither by the host nor by work that does not touch what they bring. The copy begins after what the context was asked
   before it; so that it overlaps with a step's work, ask for the next batch before the step:

       next = tg_to_device(batch_of_the_next_step, TG_CUDA);       // comes while the GPU works on x
       tg_backward(tg_cross_entropy(tg_forward(net, x), y)); ...

   .pinned_limit bounds the page-locked memory (64 MB); where all of it is on its way the host waits for the oldest copy.
   With the config's no_cache there is none, and the driver copies in its own way. tg_memory counts it in device and
   device_cached, tg_trim returns it.

   ---- beside the host's own CUDA code ----
   The primary context of the GPU is retained, the one that the runtime (cudaMalloc, <<< >>>), torch and others use. It is
   made current only inside of calls: the host finds its own current context as it was before, after errors too.
     memory of ours   tg_cuda_data(t) is the address of t's first element, t->stride tells the others. It is valid as long
                      as t lives. The host may write there, as it may through t->data on the CPU: not into what autograd
                      has saved for a backward
     memory of its    tg_cuda_wrap(tg, TG_SHAPE(...), dtype, pointer): a tensor over it, that is never freed by us and not
     own              counted. It must live until the tensor is gone and the stream has passed its last use: after a read
                      by the host, tg_cuda_wait or tg_close. An address that is no memory of this GPU is an error of the call
     order            tg_cuda_stream(tg) is the stream of all our work. What the host puts on it comes after all that was
                      asked before and before all that is asked later; ask for it (or for tg_cuda_data) again before each
                      piece of such work: it is this call that puts copies on their way in front of it. With another
                      stream: record an event on the one and let the other wait for it
     a stream of its  .stream: we use it instead, and do not destroy it. It must outlive the context
     own
   tg_cuda_wait(tg) waits for all of it and finds errors in values and of kernels as a read does.

   Products of f32, f64, f16 and bf16 go to cuBLASLt, with batches, any operand turned, and the bias added in the same
   pass where it is one for each column; it is asked once for each shape how to make it, and works in memory of our cache.
   f32 is true f32 unless .tf32 lets it round operands to 10 bits, as torch's allow_tf32 does; halves are summed in f32,
   also between parts of a product. What it does not take (numbers of rows and columns that both lie apart, integers) or
   refuses, this file's kernels make.

   Convolutions of f32, f64, f16 and bf16 in one to three dimensions go to cuDNN, results and both gradients, in groups too. It
   is asked once for each shape, and takes the first way that it recommends of those that give the same bits each time and
   want at most 256 MB of our cache. f32 is true f32 (FMA) unless .tf32; halves are multiplied by matrix units and summed in
   f32; a bias is added after. It is not asked for depthwise ones (where each of several groups makes at most 4 channels), for
   padding that is not the same on both sides, for images whose numbers lie neither as rows nor with the channels within, or
   that begin where no 16 bytes do: these this file's kernels make, and what it refuses, which the log says once. Images with
   the channels within (NHWC) stay as they are; a filter that is not packed in the same order is copied for each call.

   Attention of f16 and bf16 uses the matrix units (tensor cores) of a GPU of compute capability 8.0 or newer, forward and
   back, where no head has more than 128 columns: scores, exponentials' sums and results are summed in f32, probabilities
   and their derivatives are rounded to halves for the next product. Not in strict mode: it takes plain tiles, all in f32.

   Same bits: from run to run, on any GPU, but for products of cuBLASLt and convolutions of cuDNN, whose libraries decide:
   they promise the same bits for the same GPU, version and shape, not for others, and for what matrix units sum, whose order
   and rounding are each GPU's own: the same from run to run there. In strict mode none of them is used, with .no_cublas not
   cuBLASLt, with .no_cudnn not cuDNN; where a library finds no room for its own memory, this file's kernels do it. Of the
   rest: no atomics on floats; every sum has an order that its sizes alone decide. It is the CPU's but in normalisations,
   convolutions, attention, resizing and scans of long rows, which are as near as a rounding or two. Elementwise
   operations, copies, random numbers, dropout, reductions, scans, sorting, softmax, cross-entropy, indexing, pooling,
   grid_sample, roi_align, resizing of bytes, recurrent cells, block-quantised numbers, optimisers and this file's
   products of f32 and f64 have the bits of the CPU's kernels with a fused multiply-add, but for results so small that
   the CPU flushes them outside strict mode, for the bits of a NaN, for tg_matmul of bf16 where the CPU has
   instructions for it and for long products that are added to what stands there.

   Errors in values (an index, a class or a probability out of range, an integer divided by zero) are found when the
   host next reads from the GPU, as an error of that read; nothing is written out of range. With .synchronise every
   launch is waited for: then they are errors of the call itself, in the CPU's words, and a kernel that fails is
   named. A GPU that is lost leaves an error in each call that needs it; the CPU goes on.

   ---- what is not here yet ----
   Every family has kernels. What they do not take runs on the CPU with copies there and back, right and slow, which the log
   says once for each family: no operation of the tests is among it. Products with block-quantised weights read
   the blocks where they lie, in plain tiles. The gradient of roi_align goes through all boxes for each element of the picture.
   No matrix units but in cuBLASLt, cuDNN and attention: convolutions and products without these libraries are
   f32 (f64) in plain tiles, also of halves; so is attention of f32, of heads of more than 128 columns, and on GPUs
   before 8.0. The derivative of attention makes its scores three times. Copies to the host wait and
   are not page-locked. Kernels are compiled ahead into a folder (.cache, then .no_nvrtc), not by nvcc, which compiles the
   file as any other C.
   It was tested on an emulated driver and with NVRTC's and nvcc's compilers; it has not yet run on a GPU, and no time is
   known. The real cuBLASLt and cuDNN have taken the descriptors; what they recommend and compute has not been seen. Of the
   words for matrix units (>>cuda-kernels) the emulation has NVIDIA's documentation, read by the author, for
   what a card does: the places of a warp's numbers, asynchronous copies, shuffles. Its threads run one after another, but every
   access to shared and device memory is watched there: two threads that touch the same without a barrier between fail the tests.
*/
#if !defined(TG__CU_KERNELS)
#ifndef TENSORGRAD_CUDA_H
#define TENSORGRAD_CUDA_H
#ifndef TENSORGRAD_H
#error "include tensorgrad.h before tensorgrad_cuda.h"
#endif
#ifdef __cplusplus
extern "C" {
#endif

/* Makes TG_CUDA usable in this context: GPU number `index`, as the driver counts. False, with an error that says why
   (TG_ERROR_UNSUPPORTED), where there is none or a library is missing; it can be opened once. tg_close closes it. */
typedef struct tg_cuda_open_args {
    tg_place at TG_EMPTY;
    tg_ctx *tg TG_EMPTY;
    int index TG_EMPTY;
    const char *folder TG_EMPTY;       /* where the libraries are; NULL: the places above                     */
    size_t memory_limit TG_EMPTY;      /* 0: none; else the most bytes of the GPU that this context holds     */
    bool synchronise TG_EMPTY;         /* wait after every launch: errors are found where they come from      */
    const char *cache TG_EMPTY;        /* a folder that is there: compiled programs are kept in it            */
    void *stream TG_EMPTY;             /* the host's CUstream, of the GPU's primary context; NULL: one of ours */
    size_t pinned_limit TG_EMPTY;      /* page-locked host memory for copies to the GPU; 0: 64 MB             */
    bool tf32 TG_EMPTY;                /* libraries may round operands of f32 to TF32, 10 bits: cuBLASLt, cuDNN */
    bool no_cublas TG_EMPTY;           /* products by this file's kernels alone; so it is in strict mode      */
    bool no_cudnn TG_EMPTY;            /* convolutions by this file's kernels alone; so it is in strict mode  */
    bool no_nvrtc TG_EMPTY;            /* nothing is compiled: all programs come from .cache                  */
} tg_cuda_open_args;
TG_API bool tg_cuda_open_from(const tg_cuda_open_args *args);
#define tg_cuda_open(tg_, ...) TG__OPTIONS2(tg_cuda_open, tg, tg_, index, __VA_ARGS__)

/* The GPU's name; NULL where none is open. */
TG_API const char *tg_cuda_name(tg_ctx *tg);

/* For the host's own CUDA code; "beside the host's own CUDA code" above tells what comes when, and who frees what. */
TG_API tg_tensor *tg_cuda_wrap(tg_ctx *tg, int ndim, const int64_t *shape, tg_dtype dtype, void *data);
    /* no copy: a tensor on TG_CUDA over the host's packed memory of this GPU, a CUdeviceptr or what cudaMalloc gave */
TG_API void *tg_cuda_data(tg_tensor *t);
    /* the GPU's address of t's first element, t->stride tells the others; NULL with an error where t is not on TG_CUDA */
TG_API void *tg_cuda_stream(tg_ctx *tg);
    /* the CUstream of this context: what is put on it now comes after all that the context was asked before */
TG_API bool tg_cuda_wait(tg_ctx *tg);
    /* waits until the GPU has done all that it was asked; false, with an error, where something of it failed */

#ifdef __cplusplus
} /* extern "C" */
#endif
#ifndef TENSORGRAD_NO_LINES
#define tg_cuda_wrap(tg, ...) tg_cuda_wrap(TG__AT_CTX(tg), __VA_ARGS__)
#define tg_cuda_data(t) tg_cuda_data(TG__AT(t))
#define tg_cuda_stream(tg) tg_cuda_stream(TG__AT_CTX(tg))
#define tg_cuda_wait(tg) tg_cuda_wait(TG__AT_CTX(tg))
#endif
#endif /* TENSORGRAD_CUDA_H */

#if defined(TENSORGRAD_IMPLEMENTATION) && !defined(TG__CU_DONE)
#define TG__CU_DONE
#define TG__CU_TEXT_TOO
#ifdef __cplusplus
extern "C" {
#endif
#if defined(__clang__) || defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"                           /* a function's address from dlsym */
#endif

/* {text: arguments} */
/* ======================================================================================
   >>cuda-arguments    what a launch is told: made by the host, read by the kernels
   ====================================================================================== */
/* block-quantised operands: their dtypes are told as so much less, which is four bits */
enum { TG__CU_CODE = 2 };
typedef struct tg__cu_view {
    char   *p;                                                        /* the first element; NULL: absent */
    int64_t stride[8];                                                /* in elements */
    int64_t size[8];                                                  /* its own shape, where operands differ */
    int64_t step, count;                                              /* along the dimension that is not walked, and its size */
    double  f;
    int64_t i;
    int32_t dtype, number;                                            /* number: 1, f instead of elements; 2, i */
} tg__cu_view;
typedef struct tg__cu_walk {                                          /* most families: a request with the addresses of its operands */
    int64_t   n, shape[8], whole[12];                                 /* n: of what is walked: elements, rows, windows */
    double    numbers[10];
    uint32_t *flag;                                                   /* becomes something else than 0 where a value is an error */
    char     *work;                                                   /* memory of the launch's own */
    int64_t   piece, pieces, length;                                  /* what a row is cut into; how long it is */
    /* of a norm: dimensions of a row, which stand behind the ndim ones; threads for a row */
    int32_t   within, lanes;
    int32_t   ndim, small, kind, part, look;                          /* small: 32 bits count the elements; look: at values alone */
    int32_t   wide;                                                   /* eight elements at a time: each `step` apart, 0 or 1, aligned */
    tg__cu_view o[10];
} tg__cu_walk;
typedef struct tg__cu_boxed {                                         /* a box of roi_align, as the CPU tells, in h and w */
    double  start[2], bin[2], share;
    /* of x's rows and columns it reaches none before low and none behind high */
    int64_t points[2], low[2], high[2];
    int64_t picture;                                                  /* -1: there is no such one */
} tg__cu_boxed;
enum { TG__CU_BOX_CHANNELS = 8 };                                     /* of a thread */
typedef struct tg__cu_reduce {
    int64_t outs, length, piece, pieces;
    double  scale;
    char   *x, *y;                                                    /* y, places: or NULL */
    int64_t *places;
    char   *partial;                                                  /* [pieces, outs] of double or int64_t, then as many places */
    int64_t kept[8], ky[8], kx[8], kp[8], run[8], rx[8];              /* shapes and strides of what stays and of what is reduced */
    int32_t kept_dims, run_dims, xd, yd;
} tg__cu_reduce;
typedef struct tg__cu_rows {                                          /* softmax, cross-entropy */
    int64_t rows, length, xs, ys, shape[8], kx[8], ky[8];
    char   *x, *y, *row, *classes, *g;
    int64_t cs, gs;                                                   /* strides of classes and g */
    int64_t per, chunks;                                              /* a mean is summed by chunks of rows; 0: there is none */
    char   *mean;
    uint32_t *flag;
    int32_t ndim, kind, xd, yd, cd, md, look;                         /* md: the mean's dtype */
} tg__cu_rows;
typedef struct tg__cu_index {
    int64_t n, k, shape[8], sy[8], sx[8], si[8];                      /* slices; strides of y, x and the index over them */
    int64_t ky, kx, ki, yv, xv, limit;                                /* along k; of the side that is indexed */
    int64_t buckets;
    char   *y, *x;
    int64_t *index;
    uint32_t *flag;
    int32_t ndim, kind, dtype, size, look;
} tg__cu_index;
typedef struct tg__cu_gemm {
    int64_t m, n, k, batch, shape[8], ba[8], bb[8], bc[8], bbias[8];
    int64_t a_rs, a_cs, b_rs, b_cs, c_rs, c_cs, bias_rs, bias_cs;
    int64_t block, blocks;                                            /* k of a block of sums, and how many */
    char   *a, *b, *c, *bias, *partial;                               /* partial: [batch, blocks, m, n] where blocks are summed apart */
    int32_t ndim, ta, tb, tc, accumulate, columns;
} tg__cu_gemm;
/* A convolution as a product [m, k] [k, n] for each group. m and k are four numbers each (an image or a channel; z, y, x),
   and m's and k's together tell an element of the gathered operand: at z = zm + zk, if that is a multiple of `divide`. */
typedef struct tg__cu_conv {
    int64_t m, n, k, groups, block, blocks;                           /* block: k of a block of sums */
    int64_t m_size[4], k_size[4];
    int64_t m_step, k_step, in_step[3], in_group;                     /* of the gathered operand */
    int64_t f_n, f_k[4], f_group;                                     /* of the other one, the filter: by n and by k */
    int64_t y_n, y_m[4], y_group;
    int64_t bias_step;
    char   *in, *filter, *y, *bias, *partial;                         /* partial: [groups, blocks, n, m] where blocks are summed apart */
    int32_t m_scale[3], k_scale[3], shift[3], divide[3], size[3];     /* size: of the gathered operand */
    int32_t dtype;
} tg__cu_conv;
typedef struct tg__cu_optim {                                         /* an optimiser's step, a norm */
    int64_t n, shape[8], row;                                         /* row: elements of one, where the gradient is rows */
    int64_t whole[12];
    double  number[10];
    int64_t *rows;
    double *partial;                                                  /* of each 512 elements of a norm */
    int32_t ndim, small, kind;
    tg__cu_view o[6];                                                 /* p (of a norm y), master, s, u, w, g */
} tg__cu_optim;
/* Steps of many packed parameters in one launch, by the same rule with the same numbers: as many as a launch's 4 KB tell. */
enum { TG__CU_STEPS = 56, TG__CU_STEP_PIECE = 16384 };               /* elements of a block */
typedef struct tg__cu_stepped { int64_t n; char *p[6]; int32_t blocks, wide; } tg__cu_stepped;
typedef struct tg__cu_steps {
    int64_t whole[12];
    double  number[10];
    int32_t kind, count, dtype[6];
    tg__cu_stepped each[TG__CU_STEPS];
} tg__cu_steps;
enum { TG__CU_ONE_KEYS = 256, TG__CU_WIDE_HEAD = 256 };              /* attention of one query: keys of a block, most columns of a head */
/* {text ends} */

/* ======================================================================================
   >>cuda-libraries    the driver, NVRTC, cuBLASLt and cuDNN: what of them is called, and where they are found
   ====================================================================================== */

typedef unsigned long long tg__cu_address;
#if defined(_WIN32)
#define TG__CU_CALL __stdcall
#else
#define TG__CU_CALL
#include <dlfcn.h>
#if defined(__GNUC__) && !defined(__APPLE__)
#pragma weak dlopen                                                   /* before glibc 2.34 it is -ldl's */
#pragma weak dlsym
#pragma weak dlclose
#endif
#endif

/* field, name, parameters: all return a code, 0 when well */
#define TG__CU_DRIVER(X) \
    X(init, "cuInit", (unsigned flags)) X(version, "cuDriverGetVersion", (int *version)) X(count, "cuDeviceGetCount", (int *n)) X(device, "cuDeviceGet", (int *device, int index)) \
    X(name, "cuDeviceGetName", (char *name, int size, int device)) X(attribute, "cuDeviceGetAttribute", (int *value, int what, int device)) \
    X(retain, "cuDevicePrimaryCtxRetain", (void **context, int device)) X(let_go, "cuDevicePrimaryCtxRelease_v2", (int device)) \
    X(push, "cuCtxPushCurrent_v2", (void *context)) X(pop, "cuCtxPopCurrent_v2", (void **context)) \
    X(stream_new, "cuStreamCreate", (void **stream, unsigned flags)) X(stream_free, "cuStreamDestroy_v2", (void *stream)) X(wait, "cuStreamSynchronize", (void *stream)) \
    X(alloc, "cuMemAlloc_v2", (tg__cu_address *p, size_t size)) X(release, "cuMemFree_v2", (tg__cu_address p)) \
    X(in, "cuMemcpyHtoDAsync_v2", (tg__cu_address to, const void *from, size_t size, void *stream)) \
    X(out, "cuMemcpyDtoHAsync_v2", (void *to, tg__cu_address from, size_t size, void *stream)) \
    X(within, "cuMemcpyDtoDAsync_v2", (tg__cu_address to, tg__cu_address from, size_t size, void *stream)) \
    X(module_new, "cuModuleLoadData", (void **module, const void *image)) X(module_free, "cuModuleUnload", (void *module)) \
    X(function, "cuModuleGetFunction", (void **function, void *module, const char *name)) \
    X(launch, "cuLaunchKernel", (void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, void *stream, void **arguments, void **extra)) \
    X(pin, "cuMemHostAlloc", (void **p, size_t size, unsigned flags)) X(unpin, "cuMemFreeHost", (void *p)) \
    X(event_new, "cuEventCreate", (void **event, unsigned flags)) X(event_free, "cuEventDestroy_v2", (void *event)) X(event_record, "cuEventRecord", (void *event, void *stream)) \
    X(event_query, "cuEventQuery", (void *event)) X(event_wait, "cuEventSynchronize", (void *event)) X(wait_event, "cuStreamWaitEvent", (void *stream, void *event, unsigned flags)) \
    X(pointer, "cuPointerGetAttribute", (void *value, int what, tg__cu_address p)) \
    X(error_name, "cuGetErrorName", (int code, const char **text)) X(error_text, "cuGetErrorString", (int code, const char **text))
#define TG__CU_COMPILER(X) \
    X(version, "nvrtcVersion", (int *major, int *minor)) X(archs_count, "nvrtcGetNumSupportedArchs", (int *n)) X(archs, "nvrtcGetSupportedArchs", (int *archs)) \
    X(create, "nvrtcCreateProgram", (void **program, const char *text, const char *name, int n, const char *const *headers, const char *const *names)) \
    X(destroy, "nvrtcDestroyProgram", (void **program)) X(compile, "nvrtcCompileProgram", (void *program, int n, const char *const *options)) \
    X(log_size, "nvrtcGetProgramLogSize", (void *program, size_t *size)) X(log, "nvrtcGetProgramLog", (void *program, char *log)) \
    X(binary_size, "nvrtcGetCUBINSize", (void *program, size_t *size)) X(binary, "nvrtcGetCUBIN", (void *program, char *binary)) \
    X(ptx_size, "nvrtcGetPTXSize", (void *program, size_t *size)) X(ptx, "nvrtcGetPTX", (void *program, char *ptx))
/* their own types are void * here; tests/cuda_blas.c and cuda_dnn.c compare the rest with NVIDIA's headers */
#define TG__CU_BLAS(X) \
    X(create, "cublasLtCreate", (void **handle)) X(destroy, "cublasLtDestroy", (void *handle)) \
    X(product_new, "cublasLtMatmulDescCreate", (void **product, int compute, int scale)) X(product_free, "cublasLtMatmulDescDestroy", (void *product)) \
    X(product_set, "cublasLtMatmulDescSetAttribute", (void *product, int what, const void *value, size_t size)) \
    X(layout_new, "cublasLtMatrixLayoutCreate", (void **layout, int type, uint64_t rows, uint64_t columns, int64_t step)) X(layout_free, "cublasLtMatrixLayoutDestroy", (void *layout)) \
    X(layout_set, "cublasLtMatrixLayoutSetAttribute", (void *layout, int what, const void *value, size_t size)) \
    X(wish_new, "cublasLtMatmulPreferenceCreate", (void **wish)) X(wish_free, "cublasLtMatmulPreferenceDestroy", (void *wish)) \
    X(wish_set, "cublasLtMatmulPreferenceSetAttribute", (void *wish, int what, const void *value, size_t size)) \
    X(ask, "cublasLtMatmulAlgoGetHeuristic", (void *handle, void *product, void *a, void *b, void *c, void *d, void *wish, int most, tg__cu_way *ways, int *n)) \
    X(multiply, "cublasLtMatmul", (void *handle, void *product, const void *alpha, const void *a, void *la, const void *b, void *lb, const void *beta, const void *c, void *lc, void *d, void *ld, \
        const void *algorithm, void *work, size_t work_size, void *stream))
typedef struct tg__cu_way { uint64_t algorithm[8]; size_t work; int state; float waves; int reserved[4]; } tg__cu_way;
    /* cublasLtMatmulHeuristicResult_t */
enum { TG__CU_BLAS_F32 = 0, TG__CU_BLAS_F64 = 1, TG__CU_BLAS_F16 = 2, TG__CU_BLAS_BF16 = 14,                       /* CUDA_R_... */
    /* CUBLAS_COMPUTE_32F, _64F, _32F_FAST_TF32 */
    TG__CU_BLAS_IN_F32 = 68, TG__CU_BLAS_IN_F64 = 70, TG__CU_BLAS_IN_TF32 = 77,
    /* CUBLASLT_MATMUL_DESC_TRANSA, ... */
    TG__CU_BLAS_TURN_A = 3, TG__CU_BLAS_TURN_B = 4, TG__CU_BLAS_EPILOGUE = 7, TG__CU_BLAS_BIAS_AT = 8,
    /* CUBLASLT_EPILOGUE_BIAS, CUBLAS_OP_T */
    TG__CU_BLAS_BIAS = 4, TG__CU_BLAS_TURNED = 1,
    /* CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, _STRIDED_BATCH_OFFSET */
    TG__CU_BLAS_BATCH = 5, TG__CU_BLAS_BATCH_STEP = 6,
    /* CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, _REDUCTION_SCHEME_MASK, _MIN_ALIGNMENT_A_BYTES and the next three;
       CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE */
    TG__CU_BLAS_WORK = 1, TG__CU_BLAS_SUMS = 3, TG__CU_BLAS_ALIGNED = 5, TG__CU_BLAS_SUMS_COMPUTED = 2,
    /* CUBLAS_STATUS_EXECUTION_FAILED, _INTERNAL_ERROR */
    TG__CU_BLAS_EXECUTION = 13, TG__CU_BLAS_INTERNAL = 14 };
/* Of each of three, one for each kind of convolution: a result, a gradient by its data, one by its weight. Their
   parameters are alike, with the operands in the order of a request. */
#define TG__CU_THREE(before, after) before "Forward" after, before "BackwardData" after, before "BackwardFilter" after
#define TG__CU_DNN(X) \
    X(create, "cudnnCreate", (void **handle)) X(destroy, "cudnnDestroy", (void *handle)) X(stream, "cudnnSetStream", (void *handle, void *stream)) \
    X(tensor_new, "cudnnCreateTensorDescriptor", (void **tensor)) X(tensor_free, "cudnnDestroyTensorDescriptor", (void *tensor)) \
    X(tensor_set, "cudnnSetTensorNdDescriptor", (void *tensor, int type, int dims, const int *sizes, const int *strides)) \
    X(filter_new, "cudnnCreateFilterDescriptor", (void **filter)) X(filter_free, "cudnnDestroyFilterDescriptor", (void *filter)) \
    X(filter_set, "cudnnSetFilterNdDescriptor", (void *filter, int type, int format, int dims, const int *sizes)) \
    X(conv_new, "cudnnCreateConvolutionDescriptor", (void **conv)) X(conv_free, "cudnnDestroyConvolutionDescriptor", (void *conv)) \
    X(conv_set, "cudnnSetConvolutionNdDescriptor", (void *conv, int dims, const int *padding, const int *stride, const int *dilation, int mode, int compute)) \
    X(conv_groups, "cudnnSetConvolutionGroupCount", (void *conv, int groups)) X(conv_math, "cudnnSetConvolutionMathType", (void *conv, int maths)) \
    X(ask[3], TG__CU_THREE("cudnnGetConvolution", "Algorithm_v7"), (void *handle, void *first, void *second, void *conv, void *result, int most, int *n, tg__cu_algorithm *found)) \
    X(room[3], TG__CU_THREE("cudnnGetConvolution", "WorkspaceSize"), (void *handle, void *first, void *second, void *conv, void *result, int algorithm, size_t *size)) \
    X(convolve[3], TG__CU_THREE("cudnnConvolution", ""), (void *handle, const void *alpha, void *first_layout, const void *first, void *second_layout, const void *second, void *conv, \
        int algorithm, void *work, size_t work_size, const void *beta, void *result_layout, void *result))
typedef struct tg__cu_algorithm { int algorithm, state; float time; size_t work; int deterministic, maths, reserved[3]; } tg__cu_algorithm;
    /* cudnnConvolutionFwdAlgoPerf_t and its like */
/* CUDNN_DATA_FLOAT, ... */
enum { TG__CU_DNN_F32 = 0, TG__CU_DNN_F64 = 1, TG__CU_DNN_F16 = 2, TG__CU_DNN_BF16 = 9,
    /* CUDNN_TENSOR_NCHW, _NHWC; CUDNN_CROSS_CORRELATION */
    TG__CU_DNN_ROWS = 0, TG__CU_DNN_CHANNELS = 1, TG__CU_DNN_CORRELATION = 1,
    /* CUDNN_DEFAULT_MATH, which is TF32 for f32; _TENSOR_OP_MATH; _FMA_MATH */
    TG__CU_DNN_DEFAULT = 0, TG__CU_DNN_MATRIX = 1, TG__CU_DNN_FMA = 3,
    /* CUDNN_STATUS_EXECUTION_FAILED and the codes behind it; in version 8 */
    TG__CU_DNN_EXECUTION = 5000, TG__CU_DNN_EXECUTION_8 = 8 };

#define TG__CU_FIELD(field, name, parameters) int (TG__CU_CALL *field) parameters;
typedef struct tg__cu_driver { TG__CU_DRIVER(TG__CU_FIELD) } tg__cu_driver;
typedef struct tg__cu_compiler { TG__CU_COMPILER(TG__CU_FIELD) } tg__cu_compiler;
typedef struct tg__cu_blas { TG__CU_BLAS(TG__CU_FIELD) } tg__cu_blas;
typedef struct tg__cu_dnn { TG__CU_DNN(TG__CU_FIELD) const char *(TG__CU_CALL *words)(int code); } tg__cu_dnn;
#undef TG__CU_FIELD
/* the names in the order of the fields */
#define TG__CU_NAME(field, name, parameters) name,
static const char *const tg__cu_driver_names[] = { TG__CU_DRIVER(TG__CU_NAME) NULL }, *const tg__cu_compiler_names[] =
    { TG__CU_COMPILER(TG__CU_NAME) NULL },
    *const tg__cu_blas_names[] = { TG__CU_BLAS(TG__CU_NAME) NULL }, *const tg__cu_dnn_names[] =
        { TG__CU_DNN(TG__CU_NAME) "cudnnGetErrorString", NULL };
#undef TG__CU_NAME

/* A library that need not be there, looked for when it is first wanted. */
typedef struct tg__cu_extra { void *library, *handle; bool tried; } tg__cu_extra;      /* tried: it was looked for, or nobody wants it */

/* Memory that was released and waits, by size. */
typedef struct tg__cu_spare { struct tg__cu_spare *next; tg__cu_address p; } tg__cu_spare;

/* Page-locked memory of the host, through which copies go in; `done` is recorded behind the last copy out of it. */
typedef struct tg__cu_pin { struct tg__cu_pin *next; char *p; size_t size; void *done; } tg__cu_pin;
/* A copy on the second stream for which the first one does not wait yet. */
typedef struct tg__cu_coming { tg__cu_address to; size_t size; void *done; } tg__cu_coming;

/* A kernel that was compiled. */
typedef struct tg__cu_key { int group, kind, part, type; uint64_t dtypes; } tg__cu_key;      /* dtypes: four bits for each operand */
typedef struct tg__cu_program {
    struct tg__cu_program *next; tg__cu_key key; const char *name; void *module, *function; bool owner;
} tg__cu_program;

/* A convolution as cuDNN is asked for it, operands in the order of the request. No padding between numbers of one
   type: its bytes are compared. */
typedef struct tg__cu_conv_key {
    int kind, type, format, groups, dims;                             /* format: of the filter; dims: 4, or 5 where there is a depth */
    int padding[3], stride[3], dilation[3];
    int size[3][5], step[3][5];
} tg__cu_conv_key;

/* How a library makes products or convolutions of one shape: asked once and kept. */
enum { TG__CU_PRODUCT_KEY = 12, TG__CU_PLANS = 64, TG__CU_PLANS_MOST = 1024 };
typedef struct tg__cu_plan {
    struct tg__cu_plan *next;
    union { int64_t product[TG__CU_PRODUCT_KEY]; tg__cu_conv_key conv; } key;
    bool    is_conv, refused;
    void   *operation, *layout[3];                                    /* the library's descriptors */
    uint64_t algorithm[8];
    size_t  work;
} tg__cu_plan;

enum { TG__CU_CLASSES = 256, TG__CU_HASH = 128, TG__CU_COMING = 8, TG__CU_PINS = 16, TG__CU_WAITING = 4 };
typedef struct tg__cu {
    tg_ctx *tg;
    tg__cu_driver d;
    tg__cu_compiler c;
    tg__cu_blas b;
    tg__cu_dnn n;
    void   *driver, *compiler, *builtins;                             /* libraries */
    tg__cu_extra blas, dnn;
    bool    tf32, dnn_told;                                           /* told: the log knows of a convolution that cuDNN refused */
    tg__cu_plan *plans[TG__CU_PLANS];
    int     plan_count;
    char   *folder;                                                   /* NULL, or where the libraries are */
    int     device, arch, processors;
    bool    retained, binary, synchronise;                            /* binary: NVRTC makes it; else PTX, which the driver compiles */
    bool    doubtful;
        /* a launch that may have met a wrong value was not asked for its flag yet */
    bool    borrowed;                                                 /* the stream is the host's */
    void   *context, *stream;
    void   *copies, *before;
        /* the stream of copies in, and the event that it waits for; NULL until they are needed */
    tg__cu_pin *pins;                                                 /* the one that was used last comes last */
    tg__cu_coming coming[TG__CU_COMING];
    int     comings, overdue, pin_count;                              /* overdue: so many of them must be waited for before anything else */
    size_t  pinned, pinned_limit;
    char   *cache;                                                    /* NULL, or the folder where programs are kept */
    bool    cache_told, kept_alone;                                   /* kept_alone: no NVRTC */
    int     versions[3];                                              /* NVRTC's two numbers, the driver's */
    tg__cu_address flag;
    size_t  held, cached, limit;
    tg__cu_spare *spare[TG__CU_CLASSES], *empty;                      /* empty: of spares that were taken */
    tg__cu_program *programs[TG__CU_HASH];
    struct { tg__cu_key key; tg__cu_steps a; } steps[TG__CU_WAITING];
        /* of optimisers, which wait for the next parameter's; count 0: none */
    const char *last;                                                 /* the kernel that was launched last */
    char    name[128], why[1024];
} tg__cu;

TG__PRIVATE const char *const *tg__cu_text(bool kernels);            /* at the end of the file */

TG__PRIVATE void *tg__cu_library(const char *path, int global) {
#if defined(_WIN32)
    (void)global;
    return (void *)LoadLibraryA(path);
#else
#if defined(__GNUC__) && !defined(__APPLE__)
    if (!dlopen) return NULL;
#endif
#ifdef RTLD_NODELETE                                                  /* drivers and compilers do not like to be unloaded */
    global = global ? RTLD_GLOBAL | RTLD_NODELETE : RTLD_LOCAL | RTLD_NODELETE;
#else
    global = global ? RTLD_GLOBAL : RTLD_LOCAL;
#endif
    return dlopen(path, RTLD_NOW | global);
#endif
}
TG__PRIVATE void tg__cu_library_close(void *library) {
    if (!library) return;
#if defined(_WIN32)
    FreeLibrary((HMODULE)library);
#else
    dlclose(library);
#endif
}
/* Fills a function pointer; false where the library lacks it. */
TG__PRIVATE bool tg__cu_symbol(void *library, const char *name, void *to) {
#if defined(_WIN32)
    const FARPROC f = GetProcAddress((HMODULE)library, name);
    memcpy(to, &f, sizeof f);
    return f != NULL;
#else
    void *const f = dlsym(library, name);
    memcpy(to, &f, sizeof f);
    return f != NULL;
#endif
}

/* One place after the other. `tried` collects what was looked for. */
typedef struct tg__cu_search {
    const char *folder; const char *const *names; tg__text *tried; bool global; void *found; char path[512];
} tg__cu_search;
TG__PRIVATE bool tg__cu_try(tg__cu_search *s, const char *root, const char *below) {
    int i;
    if (s->found) return true;
    for (i = 0; s->names[i] && !s->found; i++) {
        tg__text t = tg__text_over(s->path, sizeof s->path);
        if (root) { tg__put(&t, root); tg__put(&t, below); tg__put_char(&t, '/'); }
        tg__put(&t, s->names[i]);
        if (t.length < t.size) s->found = tg__cu_library(s->path, s->global);
    }
    return s->found != NULL;
}
TG__PRIVATE void tg__cu_find(tg__cu_search *s) {
#if defined(_WIN32)
    static const char *const below[] = { "\\bin", "\\bin\\x64", NULL }, *const roots[] = { "CUDA_PATH", "CUDA_HOME", "CONDA_PREFIX", NULL };
#else
    static const char *const below[] = { "/lib64", "/lib", "/targets/x86_64-linux/lib", "/targets/sbsa-linux/lib",
        NULL }, *const roots[] = { "CUDA_HOME", "CUDA_PATH", "CONDA_PREFIX", NULL };
    static const char *const pip[] = { "/nvidia/cuda_nvrtc/lib", "/nvidia/cublas/lib", "/nvidia/cudnn/lib", "/nvidia/cu13/lib", NULL };
#endif
    int i, k;
    for (i = 0; s->names[i]; i++) { if (i) tg__put(s->tried, ", "); tg__put(s->tried, s->names[i]); }
    if (s->folder) { (void)tg__cu_try(s, s->folder, ""); return; }
    if (tg__cu_try(s, NULL, "")) return;
    for (i = 0; roots[i]; i++) for (k = 0; below[k] && getenv(roots[i]); k++) if (tg__cu_try(s, getenv(roots[i]), below[k])) return;
#if !defined(_WIN32)
    for (k = 0; below[k]; k++) if (tg__cu_try(s, "/usr/local/cuda", below[k]) || tg__cu_try(s, "/opt/cuda", below[k])) return;
    if (tg__cu_try(s, "/usr/lib/wsl/lib", "")) return;
    for (k = 0; pip[k] && getenv("VIRTUAL_ENV"); k++) for (i = 8; i <= 15; i++) {      /* lib/python3.N/site-packages */
        char path[160];
        tg__text t = tg__text_over(path, sizeof path);
        tg__put(&t, "/lib/python3."); tg__put_i64(&t, i); tg__put(&t, "/site-packages"); tg__put(&t, pip[k]);
        if (tg__cu_try(s, getenv("VIRTUAL_ENV"), path)) return;
    }
#endif
}

/* Finds a library, or says which names were tried. */
TG__PRIVATE void *tg__cu_need(tg__cu *s, const char *folder, const char *what, const char *const *names, char *path) {
    char tried[400];
    tg__text list = tg__text_over(tried, sizeof tried), t;
    tg__cu_search f;
    f.folder = folder; f.names = names; f.tried = &list; f.global = false; f.found = NULL;
    tg__cu_find(&f);
    if (f.found) { if (path) memcpy(path, f.path, sizeof f.path); return f.found; }
    t = tg__text_over(s->why, sizeof s->why);
    tg__put(&t, what); tg__put(&t, " is not found, as "); tg__put(&t, tried);
    if (folder) { tg__put(&t, " in "); tg__put(&t, folder); }
#if !defined(_WIN32) && defined(__GNUC__) && !defined(__APPLE__)
    if (!dlopen) tg__put(&t, "; link with -ldl");
#endif
    return NULL;
}
/* Fills a struct of function pointers, or says which one the library lacks. */
TG__PRIVATE bool tg__cu_functions(tg__cu *s, void *library, const char *what, const char *const *names, void *functions) {
    tg__text t = tg__text_over(s->why, sizeof s->why);
    char *to = (char *)functions;
    for (; *names && tg__cu_symbol(library, *names, to); names++) to += sizeof(void (*)(void));
    if (!*names) return true;
    tg__put(&t, what); tg__put(&t, " has no "); tg__put(&t, *names); tg__put(&t, "; it is too old");
    return false;
}

/* ======================================================================================
   >>cuda-device    opening and closing, memory, copies, errors
   ====================================================================================== */

/* What went wrong, for the message; returns false. */
TG__PRIVATE bool tg__cu_fail(tg__cu *s, const char *what, int code) {
    const char *name = NULL, *words = NULL;
    tg__text t = tg__text_over(s->why, sizeof s->why);
    tg__put(&t, what);
    if (code == 0) return false;
    tg__put(&t, ": ");
    if (s->d.error_name && s->d.error_name(code, &name) == 0 && name) tg__put(&t, name);
    else { tg__put(&t, "code "); tg__put_i64(&t, code); }
    if (s->d.error_text && s->d.error_text(code, &words) == 0 && words) { tg__put(&t, ", "); tg__put(&t, words); }
    return false;
}
/* A call that waits finds what went wrong before. */
TG__PRIVATE bool tg__cu_fail_late(tg__cu *s, const char *what, int code) {
    tg__text t;
    (void)tg__cu_fail(s, what, code);
    t.out = s->why; t.size = sizeof s->why; t.length = strlen(s->why);
    if (s->last) {
        tg__put(&t, s->synchronise ? "; the kernel was " : "; a kernel that was launched before may have failed, the last of them was ");
        tg__put(&t, s->last);
        if (!s->synchronise) tg__put(&t, "; tg_cuda_open with .synchronise finds the call");
    }
    return false;
}
#define TG__CU_OK(s, call, name) tg__cu_ok(s, (s)->d.call, name)
TG__PRIVATE bool tg__cu_ok(tg__cu *s, int code, const char *name) { return code == 0 || tg__cu_fail(s, name, code); }

/* The host may have a context of its own current: ours is only inside of calls. Steps that wait are launched before anything
   but another step. */
TG__PRIVATE bool tg__cu_steps_go(tg__cu *s);
TG__PRIVATE void tg__cu_leave(tg__cu *s) { void *was; (void)s->d.pop(&was); }
TG__PRIVATE bool tg__cu_enter_step(tg__cu *s) {
    s->why[0] = 0;
    return TG__CU_OK(s, push(s->context), "cuCtxPushCurrent");
}
TG__PRIVATE bool tg__cu_enter(tg__cu *s) {
    if (!tg__cu_enter_step(s)) return false;
    if (tg__cu_steps_go(s)) return true;
    tg__cu_leave(s);
    return false;
}

/* ---- copies that nobody waits for yet ----
   A large copy in goes through page-locked memory on a stream of its own, behind what the first stream was asked until
   then. What needs its result, and only that, waits for it: a launch with an operand there, a copy over it, a read. */

/* How many of the copies, oldest first, must be waited for, so that the bytes from `low` to `high` may be touched. */
TG__PRIVATE int tg__cu_coming_to(const tg__cu *s, tg__cu_address low, tg__cu_address high) {
    int n = s->comings;
    while (n > 0 && (s->coming[n - 1].to >= high || low >= s->coming[n - 1].to + s->coming[n - 1].size)) n--;
    return n;
}
TG__PRIVATE void tg__cu_coming_drop(tg__cu *s, int n) {
    int i;
    s->comings -= n;
    for (i = 0; i < s->comings; i++) s->coming[i] = s->coming[i + n];
    s->overdue = s->overdue > n ? s->overdue - n : 0;
}
/* The stream waits for the n oldest: they end in their order. */
TG__PRIVATE bool tg__cu_await(tg__cu *s, int n) {
    if (n < s->overdue) n = s->overdue;
    if (!n) return true;
    if (!TG__CU_OK(s, wait_event(s->stream, s->coming[n - 1].done, 0), "cuStreamWaitEvent")) return false;
    tg__cu_coming_drop(s, n);
    return true;
}
TG__PRIVATE bool tg__cu_await_operands(tg__cu *s, const tg_request *r, const tg_operand *o, void *const *base) {
    int i, d, n = 0;
    if (!s->comings) return true;
    for (i = 0; i < r->n; i++) {
        const int64_t size = (int64_t)tg_dtype_size(o[i].dtype);
        int64_t low = (int64_t)(uintptr_t)base[i] + o[i].offset, high = low + size;
        int k;
        if (tg__is_block(o[i].dtype)) high = low + (int64_t)tg_dtype_bytes(o[i].dtype, tg__operand_numel(&o[i]));      /* packed */
        if (o[i].use == TG_ABSENT || o[i].immediate) continue;
        for (d = 0; d < o[i].ndim; d++) {
            const int64_t reach = (o[i].shape[d] - 1) * o[i].stride[d] * size;
            if (reach < 0) low += reach;
            else high += reach;
        }
        k = tg__cu_coming_to(s, (tg__cu_address)low, (tg__cu_address)high);
        if (k > n) n = k;
    }
    return tg__cu_await(s, n);
}

/* Sizes go in steps of an eighth: the class, and the size that its blocks have. */
TG__PRIVATE int tg__cu_class(size_t *size) {
    size_t step = 512, top = 4096;
    int c = 0;
    if (*size <= top) { *size = (*size + step - 1) / step * step; if (!*size) *size = step; return (int)(*size / step); }
    for (c = 9; *size > 2 * top && c < TG__CU_CLASSES - 8; c += 8) { top *= 2; step *= 2; }
    *size = (*size + step - 1) / step * step;
    return c + (int)((*size - top) / step) - 1;
}
TG__PRIVATE void tg__cu_trim_in(tg__cu *s) {
    int c;
    for (c = 0; c < TG__CU_CLASSES; c++) while (s->spare[c]) {
        tg__cu_spare *f = s->spare[c];
        s->spare[c] = f->next;
        (void)s->d.release(f->p);
        tg__mem_put(s->tg, f, sizeof *f);
    }
    s->held -= s->cached;
    s->cached = 0;
}
/* 0 where there is no room. A context is current. */
TG__PRIVATE tg__cu_address tg__cu_take(tg__cu *s, size_t size) {
    const int c = tg__cu_class(&size);
    tg__cu_spare *f = s->spare[c];
    tg__cu_address p = 0;
    int code;
    if (f) {
        s->spare[c] = f->next; f->next = s->empty; s->empty = f;
        s->cached -= size;
        return f->p;
    }
    if (s->limit && s->held + size > s->limit) tg__cu_trim_in(s);
    if (s->limit && s->held + size > s->limit) {
        tg__text t = tg__text_over(s->why, sizeof s->why);
        tg__put(&t, "the context holds "); tg__put_i64(&t, (int64_t)s->held); tg__put(&t, " of its limit of ");
        tg__put_i64(&t, (int64_t)s->limit);
        return 0;
    }
    f = (tg__cu_spare *)tg__mem_get(s->tg, sizeof *f);                  /* for the day when it is released */
    if (!f) return 0;
    code = s->d.alloc(&p, size);
    if (code && s->cached) { tg__cu_trim_in(s); code = s->d.alloc(&p, size); }      /* once more, without what waits */
    if (code) { tg__mem_put(s->tg, f, sizeof *f); (void)tg__cu_fail(s, "cuMemAlloc", code); return 0; }
    f->next = s->empty; s->empty = f;
    s->held += size;
    return p;
}
TG__PRIVATE void tg__cu_give(tg__cu *s, tg__cu_address p, size_t size) {
    const int c = tg__cu_class(&size);
    tg__cu_spare *f = s->empty;
    if (s->comings) {                                                  /* what comes next here must not be overtaken by it */
        const int n = tg__cu_coming_to(s, p, p + size);
        if (s->overdue < n) s->overdue = n;
    }
    s->empty = f->next;
    if (s->tg->config.no_cache) {
        (void)s->d.release(p);
        tg__mem_put(s->tg, f, sizeof *f);
        s->held -= size;
        return;
    }
    f->p = p; f->next = s->spare[c]; s->spare[c] = f;
    s->cached += size;
}

TG__PRIVATE void *tg__cu_alloc(void *user, void *stream, size_t size) {
    tg__cu *s = (tg__cu *)user;
    tg__cu_address p;
    (void)stream;
    if (!tg__cu_enter(s)) return NULL;
    p = tg__cu_take(s, size);
    tg__cu_leave(s);
    return (void *)(uintptr_t)p;
}
TG__PRIVATE void tg__cu_release(void *user, void *stream, void *p, size_t size) {
    tg__cu *s = (tg__cu *)user;
    const bool now = s->tg->config.no_cache;                           /* else it waits, and the driver is not asked */
    (void)stream;
    if (now && !tg__cu_enter(s)) return;
    tg__cu_give(s, (tg__cu_address)(uintptr_t)p, size);
    if (now) tg__cu_leave(s);
}
static const char tg__cu_out_of_range[] =
    "an index, a class, a probability or a divisor of a call before was out of range; tg_cuda_open with .synchronise finds the call";
/* Was a value out of range since it was last asked? Asks, and forgets. */
TG__PRIVATE bool tg__cu_flagged(tg__cu *s, bool *flagged) {
    uint32_t flag = 0;
    int code;
    *flagged = false;
    if (!TG__CU_OK(s, out(&flag, s->flag, sizeof flag, s->stream), "cuMemcpyDtoHAsync")) return false;
    code = s->d.wait(s->stream);
    if (code) return tg__cu_fail_late(s, "cuStreamSynchronize", code);
    s->doubtful = false;
    if (!flag) return true;
    *flagged = true;
    flag = 0;
    return TG__CU_OK(s, in(s->flag, &flag, sizeof flag, s->stream), "cuMemcpyHtoDAsync");
}

/* Small copies the driver takes along at once; large ones would wait for the stream, but from page-locked memory. */
enum { TG__CU_AT_ONCE = 1 << 16, TG__CU_PIN_LEAST = 1 << 18, TG__CU_PIN_MOST = 1 << 23 };
TG__PRIVATE void tg__cu_unpin(tg__cu *s, tg__cu_pin *pin) {
    (void)s->d.event_free(pin->done);
    (void)s->d.unpin(pin->p);
    s->pinned -= pin->size; s->pin_count--;
    tg__mem_put(s->tg, pin, sizeof *pin);
}
TG__PRIVATE tg__cu_pin *tg__cu_pin_new(tg__cu *s, size_t size) {
    void *done = NULL, *p = NULL;
    size_t room = TG__CU_PIN_LEAST;
    tg__cu_pin *pin;
    while (room < size) room *= 2;
    if (s->pin_count == TG__CU_PINS || s->pinned + room > s->pinned_limit) return NULL;
    pin = (tg__cu_pin *)tg__mem_get(s->tg, sizeof *pin);
    if (!pin) return NULL;
    if (s->d.event_new(&done, 2) != 0 || s->d.pin(&p, room, 0) != 0) {
        if (done) (void)s->d.event_free(done);
        tg__mem_put(s->tg, pin, sizeof *pin);
        return NULL;
    }
    pin->next = NULL; pin->p = (char *)p; pin->size = room; pin->done = done;
    s->pinned += room; s->pin_count++;
    return pin;
}
/* One with room for `size` bytes that no copy reads any more, out of the list; NULL: there is none to be had. Only where all
   are in use is one waited for: the GPU is then as many copies behind. */
TG__PRIVATE tg__cu_pin *tg__cu_pin_take(tg__cu *s, size_t size) {
    tg__cu_pin **at, **oldest = NULL, *pin;
    for (at = &s->pins; *at; at = &(*at)->next) {
        if ((*at)->size < size) continue;
        if (!oldest) oldest = at;
        if (s->d.event_query((*at)->done) == 0) break;
    }
    if (!*at) {
        pin = tg__cu_pin_new(s, size);
        if (pin || !oldest || s->d.event_wait((*oldest)->done) != 0) return pin;
        at = oldest;
    }
    pin = *at;
    *at = pin->next; pin->next = NULL;
    /* its copy, and those before, are there: nobody need wait for them */
    {
        int n = s->comings;
        while (n > 0 && s->coming[n - 1].done != pin->done) n--;
        tg__cu_coming_drop(s, n);
    }
    return pin;
}
/* The second stream, which begins behind the first one. */
TG__PRIVATE bool tg__cu_copies_begin(tg__cu *s) {
    if (!s->copies && !TG__CU_OK(s, stream_new(&s->copies, 1), "cuStreamCreate")) return false;
    if (!s->before && !TG__CU_OK(s, event_new(&s->before, 2), "cuEventCreate")) return false;
    return TG__CU_OK(s, event_record(s->before, s->stream), "cuEventRecord") &&
        TG__CU_OK(s, wait_event(s->copies, s->before, 0), "cuStreamWaitEvent");
}
/* As much of it as there is room for: `done` bytes. */
TG__PRIVATE bool tg__cu_copy_beside(tg__cu *s, tg__cu_address to, const char *from, size_t size, size_t *done) {
    tg__cu_pin **end, *pin;
    size_t piece = TG__CU_PIN_MOST;
    bool ok = true;
    *done = 0;
    while (piece > TG__CU_PIN_LEAST && piece > s->pinned_limit / 2) piece /= 2;
    while (ok && *done < size) {
        const size_t n = size - *done < piece ? size - *done : piece;
        if (s->comings == TG__CU_COMING && !tg__cu_await(s, s->comings)) return false;
        pin = tg__cu_pin_take(s, n);
        if (!pin) break;
        memcpy(pin->p, from + *done, n);
        ok = (*done || tg__cu_copies_begin(s)) && TG__CU_OK(s, in(to + *done, pin->p, n, s->copies),
            "cuMemcpyHtoDAsync") && TG__CU_OK(s, event_record(pin->done, s->copies), "cuEventRecord");
        if (!ok && s->copies) (void)s->d.wait(s->copies);              /* the block must not be taken while it may be read */
        for (end = &s->pins; *end; end = &(*end)->next) { }
        *end = pin;
        if (ok) {
            tg__cu_coming *last = s->comings ? &s->coming[s->comings - 1] : NULL;
            if (*done && last) { last->size += n; last->done = pin->done; }
            else { last = &s->coming[s->comings++]; last->to = to + *done; last->size = n; last->done = pin->done; }
        }
        *done += n;
    }
    return ok;
}
TG__PRIVATE bool tg__cu_copy_in(void *user, void *stream, void *to, const void *from, size_t size) {
    tg__cu *s = (tg__cu *)user;
    const tg__cu_address at = (tg__cu_address)(uintptr_t)to;
    size_t done = 0;
    bool ok;
    (void)stream;
    if (!tg__cu_enter(s)) return false;
    ok = size <= TG__CU_AT_ONCE || tg__cu_copy_beside(s, at, (const char *)from, size, &done);
    if (ok && done < size)                                             /* what the driver is given has been read when it returns */
        ok = tg__cu_await(s, tg__cu_coming_to(s, at, at + size)) &&
            TG__CU_OK(s, in(at + done, (const char *)from + done, size - done, s->stream), "cuMemcpyHtoDAsync");
    if (ok && s->synchronise) {
        ok = tg__cu_await(s, s->comings);
        if (ok) { const int code = s->d.wait(s->stream); ok = code == 0 || tg__cu_fail_late(s, "cuStreamSynchronize", code); }
    }
    tg__cu_leave(s);
    return ok;
}
TG__PRIVATE bool tg__cu_copy_out(void *user, void *stream, void *to, const void *from, size_t size) {
    tg__cu *s = (tg__cu *)user;
    bool ok, flagged = false;
    int code;
    (void)stream;
    if (!tg__cu_enter(s)) return false;
    ok = tg__cu_await(s, tg__cu_coming_to(s, (tg__cu_address)(uintptr_t)from,
        (tg__cu_address)(uintptr_t)from + size)) && (!s->doubtful || tg__cu_flagged(s, &flagged));
    if (flagged) ok = tg__cu_fail(s, tg__cu_out_of_range, 0);
    if (ok) {
        code = s->d.out(to, (tg__cu_address)(uintptr_t)from, size, s->stream);
        if (code) ok = tg__cu_fail_late(s, "cuMemcpyDtoHAsync", code);
        else if ((code = s->d.wait(s->stream)) != 0) ok = tg__cu_fail_late(s, "cuStreamSynchronize", code);
    }
    tg__cu_leave(s);
    return ok;
}
TG__PRIVATE const char *tg__cu_reason(void *user, void *stream) {
    (void)stream; return ((tg__cu *)user)->why[0] ? ((tg__cu *)user)->why : NULL;
}
/* Page-locked memory counts as waiting: no tensor stands in it. */
TG__PRIVATE void tg__cu_memory(void *user, void *stream, size_t *held, size_t *cached) {
    const tg__cu *s = (const tg__cu *)user;
    (void)stream;
    *held = s->held + s->pinned; *cached = s->cached + s->pinned;
}
TG__PRIVATE void tg__cu_unpin_all(tg__cu *s) {
    (void)tg__cu_await(s, s->comings);
    s->comings = s->overdue = 0;
    if (s->copies) (void)s->d.wait(s->copies);
    while (s->pins) {
        tg__cu_pin *pin = s->pins;
        s->pins = pin->next;
        tg__cu_unpin(s, pin);
    }
}
TG__PRIVATE void tg__cu_trim(void *user, void *stream) {
    tg__cu *s = (tg__cu *)user;
    (void)stream;
    if (!tg__cu_enter(s)) return;
    tg__cu_unpin_all(s);
    tg__cu_trim_in(s);
    tg__cu_leave(s);
}

/* ======================================================================================
   >>cuda-programs    kernels compiled when they are first asked for
   ====================================================================================== */

enum { TG__CU_GROUP_MAP, TG__CU_GROUP_COPY, TG__CU_GROUP_RANDOM, TG__CU_GROUP_REDUCE, TG__CU_GROUP_SOFTMAX,
    TG__CU_GROUP_INDEX, TG__CU_GROUP_GEMM, TG__CU_GROUP_OPTIM,
    TG__CU_GROUP_SCAN, TG__CU_GROUP_SORT, TG__CU_GROUP_NORM, TG__CU_GROUP_POOL, TG__CU_GROUP_CONV, TG__CU_GROUP_ATTENTION,
    TG__CU_GROUP_RNN, TG__CU_GROUP_RESAMPLE, TG__CU_GROUP_ATTENTION_MATRIX, TG__CU_GROUP_GRID, TG__CU_GROUP_BOXES };

/* The formulas as text. */
typedef struct tg__cu_formula { int row, operands; const char *name, *part[4]; } tg__cu_formula;
typedef struct tg__cu_whole { int row; const char *rule, *value; } tg__cu_whole;
#define TG_F1(name, types, saves, value, dx, domain, doc)                       { TG_ROW_##name, 1, #name, { #value, #dx, NULL, NULL } },
#define TG_F1P(name, numbers, types, saves, value, dx, domain, doc)             { TG_ROW_##name, 1, #name, { #value, #dx, NULL, NULL } },
#define TG_F2(name, types, saves, value, da, db, domain, doc)                   { TG_ROW_##name, 2, #name, { #value, #da, #db, NULL } },
#define TG_F2P(name, numbers, types, saves, value, da, db, domain, doc)         { TG_ROW_##name, 2, #name, { #value, #da, #db, NULL } },
#define TG_F3(name, types, saves, value, da, db, dc, domain, doc)               { TG_ROW_##name, 3, #name, { #value, #da, #db, #dc } },
#define TG_F3P(name, numbers, types, saves, value, da, db, dc, domain, doc)     { TG_ROW_##name, 3, #name, { #value, #da, #db, #dc } },
#define TG_W2(name, rule, value, doc)                                           { TG_ROW_##name, 2, #name, { NULL, NULL, NULL, NULL } },
static const tg__cu_formula tg__cu_formulas[] = {
#define TG_READ_ROWS
#include TENSORGRAD_FILENAME
    { 0, 0, NULL, { NULL, NULL, NULL, NULL } }
};
#define TG_I1(name, rule, value)      { TG_ROW_##name, #rule, #value },
#define TG_I2(name, rule, value)      { TG_ROW_##name, #rule, #value },
#define TG_I3(name, rule, value)      { TG_ROW_##name, #rule, #value },
#define TG_W2(name, rule, value, doc) { TG_ROW_##name, #rule, #value },
static const tg__cu_whole tg__cu_wholes[] = {
#define TG_READ_ROWS
#include TENSORGRAD_FILENAME
    { 0, NULL, NULL }
};
TG__PRIVATE const tg__cu_formula *tg__cu_formula_of(int row) {
    const tg__cu_formula *f = tg__cu_formulas;
    while (f->name && f->row != row) f++;
    return f->name ? f : NULL;
}
TG__PRIVATE const tg__cu_whole *tg__cu_whole_of(int row) {
    const tg__cu_whole *f = tg__cu_wholes;
    while (f->value && f->row != row) f++;
    return f->value ? f : NULL;
}

/* The text of a program. Its first lines choose what of the rest is read. */
TG__PRIVATE void tg__cu_define(tg__text *t, const char *name, int64_t value) {
    tg__put(t, "#define "); tg__put(t, name); tg__put_char(t, ' '); tg__put_i64(t, value); tg__put_char(t, '\n');
}
TG__PRIVATE const char *tg__cu_type_name(int type) { return type == 32 ? "_f32" : type == 64 ? "_f64" : "_i64"; }
TG__PRIVATE void tg__cu_map_name(tg__text *t, const tg__cu_key *k) {       /* tg__cu_map_tg_exp_0_f32 */
    tg__put(t, "tg__cu_map_"); tg__put(t, tg__cu_formula_of(k->kind)->name); tg__put_char(t, '_'); tg__put_i64(t, k->part);
    tg__put(t, tg__cu_type_name(k->type));
}
TG__PRIVATE void tg__cu_map_text(tg__text *t, const tg__cu_key *k) {
    const tg__cu_formula *f = tg__cu_formula_of(k->kind);
    const tg__cu_whole *w = k->type == 0 ? tg__cu_whole_of(k->kind) : NULL;
    tg__put(t, k->part ? "TG__CU_DERIVE" : w && !strcmp(w->rule, "NO_ZERO") ? "TG__CU_DIVIDE" : "TG__CU_VALUE");
    tg__put_i64(t, f->operands); tg__put_char(t, '(');
    tg__cu_map_name(t, k);
    tg__put(t, ", "); tg__put(t, w ? w->value : f->part[k->part]); tg__put(t, ")\n");
}
TG__PRIVATE void tg__cu_source(tg__text *t, const tg__cu_key *k) {
    static const char *const only[] = { "MAP", "COPY", "RANDOM", "REDUCE", "SOFTMAX", "INDEX", "GEMM", "OPTIM",
        "SCAN", "SORT", "NORM", "POOL", "CONV", "ATTENTION", "RNN", "RESAMPLE", "ATTENTION_MATRIX", "GRID", "BOXES" },
        *const kinds[] = { "sum", "prod", "max", "min" };
    const char *const *line;
    int i;
    tg__cu_define(t, "TG__CU_TYPE", k->type);
    tg__put(t, "#define TG__CU_ONLY\n#define TG__CU_ONLY_"); tg__put(t, only[k->group]); tg__put_char(t, '\n');
    tg__cu_define(t, "TG__CU_DTYPES", (int64_t)k->dtypes);
    if (k->group == TG__CU_GROUP_OPTIM) tg__cu_define(t, "TG__CU_KIND", k->kind);
    if (k->group == TG__CU_GROUP_ATTENTION_MATRIX) { tg__cu_define(t, "TG__CU_KIND", k->kind); tg__cu_define(t, "TG__CU_PART", k->part); }
    if (k->group == TG__CU_GROUP_REDUCE) {
        tg__cu_define(t, "TG__CU_KIND", k->kind);
        tg__put(t, "#define TG__CU_KIND_NAME "); tg__put(t, kinds[k->kind & 3]); tg__put_char(t, '\n');
    }
    for (i = 0; i < 2; i++) for (line = tg__cu_text(i == 1); *line; line++) tg__put(t, *line);
    if (k->group == TG__CU_GROUP_MAP) tg__cu_map_text(t, k);
}

/* What NVRTC is told beside the text. */
enum { TG__CU_OPTIONS = 3 };
TG__PRIVATE void tg__cu_options(const tg__cu *s, char *arch, size_t room, const char **options) {
    tg__text t = tg__text_over(arch, room);
    tg__put(&t, s->binary ? "--gpu-architecture=sm_" : "--gpu-architecture=compute_"); tg__put_i64(&t, s->arch);
    options[0] = arch; options[1] = "--fmad=false"; options[2] = "--std=c++14";
}

/* ---- programs kept between runs ----
   A file holds one program under a name made of what it is compiled from: text, options with the architecture. Its key is made
   of the versions of NVRTC and of the driver too. What is not whole, or has another key, is no program: it is compiled again and
   replaced. Where there is no NVRTC the key is not asked for: what is compiled for an architecture runs by any driver.
   Files are written beside and renamed, so that several processes may share a folder. */
typedef struct tg__cu_stored { char magic[8]; uint64_t text[2], key[2], size, sum[2]; } tg__cu_stored;
    /* then the program, `size` bytes */
typedef struct tg__cu_place { uint64_t text[2], key[2]; char path[600]; } tg__cu_place;

/* Two sums of 64 bits. Each step is a bijection of a sum: a change within one word is always seen. No secret is kept by it. */
TG__PRIVATE void tg__cu_digest(uint64_t *h, const void *data, size_t size) {
    const char *p = (const char *)data;
    uint64_t word = size;
    for (;;) {
        h[0] = tg__mix64(h[0] ^ word); h[1] = tg__mix64((h[1] ^ word) + TG__GOLDEN);
        if (!size) return;
        word = 0;
        memcpy(&word, p, size < 8 ? size : 8);
        p += size < 8 ? size : 8; size -= size < 8 ? size : 8;
    }
}
TG__PRIVATE void tg__cu_sum(tg__cu_stored *a, const void *program, uint64_t *sum) {
    sum[0] = 1; sum[1] = 2;
    tg__cu_digest(sum, a->text, sizeof a->text);
    tg__cu_digest(sum, a->key, sizeof a->key);
    tg__cu_digest(sum, program, (size_t)a->size);
}
/* False: programs are not kept, or the path is too long. */
TG__PRIVATE bool tg__cu_place_of(const tg__cu *s, const char *text, const char *const *options, tg__cu_place *place) {
    tg__text t = tg__text_over(place->path, sizeof place->path);
    int i;
    if (!s->cache || (!s->kept_alone && !s->versions[0])) return false;
    place->text[0] = 3; place->text[1] = 4;
    tg__cu_digest(place->text, text, strlen(text));
    for (i = 0; i < TG__CU_OPTIONS; i++) tg__cu_digest(place->text, options[i], strlen(options[i]));
    memcpy(place->key, place->text, sizeof place->key);
    tg__cu_digest(place->key, s->versions, sizeof s->versions);
    tg__put(&t, s->cache); tg__put(&t, "/tg-");
    for (i = 0; i < 32; i++) tg__put_char(&t, "0123456789abcdef"[place->text[i / 16] >> (60 - 4 * (i % 16)) & 15]);
    tg__put(&t, ".cuda");
    return t.length < t.size;
}
/* A whole file by the host's hook or the platform; NULL: there is none, which is no error. Back it goes with tg__hook_release. */
TG__PRIVATE void *tg__cu_file_get(tg_ctx *tg, const char *path, size_t *size) {
    const tg_hooks *h = &tg->config.hooks;
    void *data = NULL;
    *size = 0;
    if (h->file_read) {
        const char *outer = tg__hook_enter(tg, tg__in_files);
        const bool ok = h->file_read(h->file_user, tg, path, &data, size);
        tg__hook_leave(tg, outer);
        return ok ? data : NULL;
    }
#if TG__HAS_FILES
    {
        tg__mem m;
        m.user = tg; m.alloc = tg__pool_alloc; m.release = tg__pool_release;
        if (tg__file_read(&m, path, (uint64_t)1 << 28, &data, size) != TG__FILE_OK) return NULL;
    }
#endif
    return data;
}
TG__PRIVATE bool tg__cu_file_put(tg_ctx *tg, const char *path, const void *const *parts, const size_t *sizes) {
    const tg_hooks *h = &tg->config.hooks;
    if (h->file_write) {
        const char *outer = tg__hook_enter(tg, tg__in_files);
        const bool ok = h->file_write(h->file_user, path, parts, sizes, 2);
        tg__hook_leave(tg, outer);
        return ok;
    }
#if TG__HAS_FILES
    {
        tg__mem m;
        tg__file f;
        m.user = tg; m.alloc = tg__pool_alloc; m.release = tg__pool_release;
        if (tg__file_create(&f, &m, path) != TG__FILE_OK) return false;
        if (tg__file_write(&f, parts[0], sizes[0]) == TG__FILE_OK && tg__file_write(&f, parts[1], sizes[1]) == TG__FILE_OK)
            return tg__file_commit(&f) == TG__FILE_OK;
        tg__file_discard(&f);
    }
#else
    (void)parts; (void)sizes;
#endif
    return false;
}
/* The module of a program that was kept; false: it is to be compiled. */
TG__PRIVATE bool tg__cu_kept(tg__cu *s, const tg__cu_place *place, void **module) {
    tg__cu_stored a;
    uint64_t sum[2];
    size_t size;
    char *data = (char *)tg__cu_file_get(s->tg, place->path, &size);
    bool ok = data && size > sizeof a;
    if (ok) {
        const char *const program = data + sizeof a;
        memcpy(&a, data, sizeof a);
        ok = memcmp(a.magic, "tgcuda2", 8) == 0 && a.size == size - sizeof a &&
            memcmp(a.text, place->text, sizeof a.text) == 0 &&
            (s->kept_alone || memcmp(a.key, place->key, sizeof a.key) == 0);
        if (ok) tg__cu_sum(&a, program, sum);
        ok = ok && memcmp(a.sum, sum, sizeof sum) == 0 && (s->binary || !data[size - 1]) && s->d.module_new(module, program) == 0;
    }
    if (data) tg__hook_release(s->tg, data, size);
    return ok;
}
TG__PRIVATE void tg__cu_keep(tg__cu *s, const tg__cu_place *place, const char *program, size_t size) {
    const void *parts[2];
    tg__cu_stored a;
    size_t sizes[2];
    memcpy(a.magic, "tgcuda2", 8);
    memcpy(a.text, place->text, sizeof a.text); memcpy(a.key, place->key, sizeof a.key);
    a.size = size;
    tg__cu_sum(&a, program, a.sum);
    parts[0] = &a; sizes[0] = sizeof a; parts[1] = program; sizes[1] = size;
    if (!tg__cu_file_put(s->tg, place->path, parts, sizes) && !s->cache_told) {
        char line[700];
        tg__text t = tg__text_over(line, sizeof line);
        tg__put(&t, "device 'cuda' cannot keep its programs in '"); tg__put(&t, s->cache); tg__put(&t, "'; they are compiled in every run");
        s->cache_told = true;
        tg__log(s->tg, TG_LOG_INFO, line);
    }
}

/* Makes a module of a program's text. */
TG__PRIVATE bool tg__cu_compile_text(tg__cu *s, const char *text, void **module) {
    const char *options[TG__CU_OPTIONS];
    char arch[48], *image = NULL;
    void *program = NULL;
    size_t size = 0;
    tg__cu_place place;
    tg__text t;
    bool kept, ok = false;
    int code;
    tg__cu_options(s, arch, sizeof arch, options);
    kept = tg__cu_place_of(s, text, options, &place);
    if (kept && tg__cu_kept(s, &place, module)) return true;
    if (s->kept_alone) {
        t = tg__text_over(s->why, sizeof s->why);
        tg__put(&t, "NVRTC is left out (.no_nvrtc), and '"); tg__put(&t, s->cache);
        tg__put(&t, "' keeps no program that a kernel needs, for compute capability ");
        tg__put_i64(&t, s->arch / 10); tg__put_char(&t, '.'); tg__put_i64(&t, s->arch % 10); tg__put(&t, ": a run with NVRTC makes it");
        return false;
    }
    if (s->c.create(&program, text, "tensorgrad_cuda.h", 0, NULL, NULL)) return tg__cu_fail(s, "nvrtcCreateProgram failed", 0);
    code = s->c.compile(program, TG__CU_OPTIONS, options);
    if (code) {                                                        /* what the compiler says, as far as there is room */
        (void)tg__cu_fail(s, "nvrtcCompileProgram failed: ", 0);
        if (s->c.log_size(program, &size) == 0 && size > 1 && (image = (char *)tg__mem_get(s->tg, size + 1)) != NULL) {
            image[0] = image[size] = 0;
            t.out = s->why; t.size = sizeof s->why; t.length = strlen(s->why);
            if (s->c.log(program, image) == 0) tg__put(&t, image);
            tg__mem_put(s->tg, image, size + 1);
        }
    } else {
        code = s->binary ? s->c.binary_size(program, &size) : s->c.ptx_size(program, &size);
        image = code ? NULL : (char *)tg__mem_get(s->tg, size + 1);
        if (image) {
            image[size] = 0;
            code = s->binary ? s->c.binary(program, image) : s->c.ptx(program, image);
            ok = code ? tg__cu_fail(s, "NVRTC gave no program", 0) : TG__CU_OK(s, module_new(module, image), "cuModuleLoadData");
            if (ok && kept) tg__cu_keep(s, &place, image, size);
            tg__mem_put(s->tg, image, size + 1);
        } else (void)tg__cu_fail(s, "NVRTC gave no program", 0);
    }
    (void)s->c.destroy(&program);
    return ok;
}
TG__PRIVATE bool tg__cu_compile(tg__cu *s, const tg__cu_key *k, void **module) {
    tg__text t = tg__text_over(NULL, 0);
    size_t size;
    char *text;
    bool ok;
    tg__cu_source(&t, k);
    size = t.length + 1;
    text = (char *)tg__mem_get(s->tg, size);
    if (!text) return tg__cu_fail(s, "no memory for a program's text", 0);
    t = tg__text_over(text, size);
    tg__cu_source(&t, k);
    ok = tg__cu_compile_text(s, text, module);
    tg__mem_put(s->tg, text, size);
    return ok;
}
TG__PRIVATE bool tg__cu_same(const tg__cu_key *a, const tg__cu_key *b) {
    return a->group == b->group && a->kind == b->kind && a->part == b->part && a->type == b->type && a->dtypes == b->dtypes;
}
/* The kernel tg__cu_NAME_f32 (f64, i64) of a program; of a map, whose program has one, NULL. */
TG__PRIVATE tg__cu_program *tg__cu_program_of(tg__cu *s, const tg__cu_key *k, const char *name) {
    const unsigned at = ((unsigned)k->group * 31u + (unsigned)k->kind * 7u + (unsigned)k->part * 3u
        + (unsigned)k->type + (unsigned)(k->dtypes ^ k->dtypes >> 20) * 13u) % TG__CU_HASH;
    tg__cu_program *p, *same = NULL;
    char own[128];
    tg__text t = tg__text_over(own, sizeof own);
    size_t length;
    if (name) { tg__put(&t, "tg__cu_"); tg__put(&t, name); tg__put(&t, tg__cu_type_name(k->type)); }
    for (p = s->programs[at]; p; p = p->next) {
        if (!tg__cu_same(&p->key, k)) continue;
        if (!name || !strcmp(p->name, own)) return p;
        same = p;
    }
    if (!name) tg__cu_map_name(&t, k);
    length = strlen(own) + 1;
    p = (tg__cu_program *)tg__mem_get(s->tg, sizeof *p + length);
    if (!p) { (void)tg__cu_fail(s, "no memory for a program", 0); return NULL; }
    memcpy(p + 1, own, length);
    p->name = (const char *)(p + 1); p->key = *k; p->owner = !same; p->module = same ? same->module : NULL;
    if ((!same && !tg__cu_compile(s, k, &p->module)) || !TG__CU_OK(s, function(&p->function, p->module, p->name), "cuModuleGetFunction")) {
        if (!same && p->module) (void)s->d.module_free(p->module);
        tg__mem_put(s->tg, p, sizeof *p + length);
        return NULL;
    }
    p->next = s->programs[at]; s->programs[at] = p;
    return p;
}

/* Launches a kernel over `blocks` blocks; arguments is one struct. */
TG__PRIVATE bool tg__cu_launch_kernel(tg__cu *s, const tg__cu_key *k, const char *name, int64_t blocks, void *arguments) {
    tg__cu_program *p;
    int code;
    if (blocks <= 0) return true;
    if (blocks > 2147483647) return tg__cu_fail(s, "more blocks than a launch has", 0);
    p = tg__cu_program_of(s, k, name);
    if (!p) return false;
    s->last = p->name;
    code = s->d.launch(p->function, (unsigned)blocks, 1, 1, 256, 1, 1, 0, s->stream, &arguments, NULL);
    if (code) return tg__cu_fail_late(s, "cuLaunchKernel", code);
    code = s->synchronise ? s->d.wait(s->stream) : 0;
    return code == 0 || tg__cu_fail_late(s, "cuStreamSynchronize", code);
}

/* ======================================================================================
   >>cuda-families    what becomes of a request
   Each returns DONE, DECLINED, which leaves the request to the CPU, or FAILED with a reason.
   ====================================================================================== */

TG__PRIVATE tg_launch tg__cu_done(bool ok) { return ok ? TG_LAUNCH_DONE : TG_LAUNCH_FAILED; }
/* A launch whose values may be errors; look and flag are fields of its arguments. With .synchronise a first launch looks at
   the values alone, and the CPU words what is found. */
TG__PRIVATE tg_launch tg__cu_launch_doubtful(tg__cu *s, const tg__cu_key *k, const char *name, int64_t blocks,
    void *arguments, int32_t *look, uint32_t **flag) {
    bool flagged;
    *flag = (uint32_t *)(uintptr_t)s->flag;
    *look = s->synchronise;
    if (!*look) s->doubtful = true;
    else {
        if (!tg__cu_launch_kernel(s, k, name, blocks, arguments) || !tg__cu_flagged(s, &flagged)) return TG_LAUNCH_FAILED;
        if (flagged) return TG_LAUNCH_DECLINED;
        *look = 0;
    }
    return tg__cu_done(tg__cu_launch_kernel(s, k, name, blocks, arguments));
}
TG__PRIVATE int64_t tg__cu_blocks(const tg__cu *s, int64_t n) { return tg__imin(tg__ceil_div(n, 256), (int64_t)s->processors * 32); }
TG__PRIVATE int tg__cu_type(tg_dtype compute) { return compute == TG_F32 ? 32 : compute == TG_F64 ? 64 : 0; }
TG__PRIVATE char *tg__cu_at(const tg_operand *o, void *const *base, int i) {
    return o[i].use == TG_ABSENT ? NULL : (char *)base[i] + o[i].offset;
}

TG__PRIVATE void tg__cu_view_of(tg__cu_view *v, const tg_operand *o, void *base) {
    memset(v, 0, sizeof *v);
    v->dtype = (int32_t)o->dtype;
    if (o->use == TG_ABSENT) { v->number = 1; return; }                /* nobody reads it */
    if (!o->immediate) { v->p = (char *)base + o->offset; return; }
    v->number = tg_dtype_is_float(o->dtype) ? 1 : 2;
    v->f = tg__get_f64(&o->bits, o->dtype); v->i = tg__get_i64(&o->bits, o->dtype);
}
/* Operands of one shape, to be walked together; `key` learns their dtypes. */
TG__PRIVATE void tg__cu_walk_of(tg__cu_walk *w, const tg_request *r, const tg__loop *l, const tg_operand *o,
    void *const *base, int n, tg__cu_key *key) {
    int i, d;
    memset(w, 0, sizeof *w);
    w->kind = r->kind; w->part = r->part; w->pieces = 1;
    memcpy(w->whole, r->whole, sizeof r->whole); memcpy(w->numbers, r->number, sizeof r->number);
    w->n = l->numel; w->ndim = l->ndim; w->small = l->numel < 0x7fffffff;
    for (d = 0; d < l->ndim; d++) w->shape[d] = l->shape[d];
    for (i = 0; i < n; i++) {
        tg__cu_view_of(&w->o[i], &o[i], base[i]);
        for (d = 0; d < l->ndim; d++) w->o[i].stride[d] = l->stride[i][d];
        if (!w->o[i].number) key->dtypes |= (uint64_t)o[i].dtype << (4 * i);
    }
}

/* May a thread take eight elements at once, with loads of 16 bytes? Where there are enough of them for every processor, and each
   of the first n operands is a number or lies packed and aligned along the last dimension, or serves it as a whole; of more dimensions
   than one the last is whole eights. */
TG__PRIVATE int32_t tg__cu_wide_of(const tg__cu *s, int64_t count, int ndim, const int64_t *shape, tg__cu_view *o, int n) {
    int i, d;
    if (count < (int64_t)s->processors * 2048 || (ndim > 1 && shape[ndim - 1] % 8)) return 0;
    for (i = 0; i < n; i++) {
        if (!o[i].p) continue;
        o[i].step = o[i].stride[ndim - 1];
        if (o[i].step == 0 && i > 0) continue;
        if (o[i].step != 1 || (uintptr_t)o[i].p % 16) return 0;
        for (d = 0; d < ndim - 1; d++) if (o[i].stride[d] * (int64_t)tg_dtype_size((tg_dtype)o[i].dtype) % 16) return 0;
    }
    return 1;
}

/* The same but for dimension `dim`, in whose size they may differ: rows, along which `step` leads. False: there are none. */
TG__PRIVATE bool tg__cu_rows_of(tg__cu_walk *w, const tg_request *r, const tg_operand *o, void *const *base, int dim, tg__cu_key *key) {
    tg_operand kept[TG__WALK_MAX];
    tg__loop l;
    int i;
    for (i = 0; i < r->n; i++) {
        kept[i] = o[i];
        if (o[i].use != TG_ABSENT && o[i].ndim) tg__operand_without(&kept[i], dim);
    }
    tg__loop_make(&l, kept, r->n);
    tg__cu_walk_of(w, r, &l, o, base, r->n, key);
    for (i = 0; i < r->n; i++) {
        const bool number = o[i].use == TG_ABSENT || o[i].ndim == 0;
        w->o[i].step = number ? 1 : o[i].stride[dim]; w->o[i].count = number ? 1 : o[i].shape[dim];
    }
    return w->n > 0;
}

/* Operands as they are, each of its own shape; the first one is walked over, in row-major order. False: it has no elements. */
TG__PRIVATE bool tg__cu_shapes_of(tg__cu_walk *w, const tg_request *r, const tg_operand *o, void *const *base, tg__cu_key *key) {
    tg__loop l;
    int i, d;
    memset(&l, 0, sizeof l);
    tg__cu_walk_of(w, r, &l, o, base, r->n, key);
    w->n = tg__operand_numel(&o[0]); w->ndim = o[0].ndim; w->small = w->n < 0x7fffffff;
    for (i = 0; i < r->n; i++)
        for (d = 0; d < o[i].ndim && o[i].use != TG_ABSENT; d++) { w->o[i].stride[d] = o[i].stride[d]; w->o[i].size[d] = o[i].shape[d]; }
    for (d = 0; d < o[0].ndim; d++) w->shape[d] = o[0].shape[d];
    return w->n > 0;
}

TG__PRIVATE tg_launch tg__cu_map(tg__cu *s, const tg_request *r, const tg_operand *o, void *const *base) {
    tg__cu_key k = TG__ZERO;
    tg__cu_walk w;
    tg__loop l;
    const tg__cu_formula *f = tg__cu_formula_of(r->kind);
    const tg__cu_whole *whole = r->compute == TG_I64 ? tg__cu_whole_of(r->kind) : NULL;
    if (!f || r->part < 0 || r->part > f->operands || r->n > 6 ||
        (r->compute == TG_I64 ? !whole || r->part : !f->part[r->part]))
        return TG_LAUNCH_DECLINED;
    k.group = TG__CU_GROUP_MAP; k.kind = r->kind; k.part = r->part; k.type = tg__cu_type(r->compute);
    tg__loop_make(&l, o, r->n);
    if (l.numel == 0) return TG_LAUNCH_DONE;
    tg__cu_walk_of(&w, r, &l, o, base, r->n, &k);
    if (whole && !strcmp(whole->rule, "NO_ZERO")) return tg__cu_launch_doubtful(s, &k, NULL, tg__cu_blocks(s, w.n), &w, &w.look, &w.flag);
    w.wide = tg__cu_wide_of(s, w.n, w.ndim, w.shape, w.o, r->n);
    return tg__cu_done(tg__cu_launch_kernel(s, &k, NULL, tg__cu_blocks(s, w.wide ? w.n / 8 : w.n), &w));
}

/* copy_8, copy_16, ...: elements as bits; or fill_8, ... */
enum { TG__CU_RAW_COPY, TG__CU_RAW_FILL, TG__CU_RAW_TURN };
TG__PRIVATE const char *tg__cu_raw(int what, tg_dtype d) {
    static const char *const names[3][4] = { { "copy_8", "copy_16", "copy_32", "copy_64" },
        { "fill_8", "fill_16", "fill_32", "fill_64" }, { "turn_8", "turn_16", "turn_32", "turn_64" } };
    const size_t size = tg_dtype_size(d);
    return names[what][size == 8 ? 3 : size == 4 ? 2 : size == 2 ? 1 : 0];
}
/* Do rows of y lie along one dimension and those of x along another? Then whole becomes the sizes of both and x's
   step along the first and y's along the second, and the walk what is left; returns how many squares of 32 x 32 it
   takes, or 0. */
TG__PRIVATE int64_t tg__cu_turned(tg__cu_walk *w) {
    const int last = w->ndim - 1;
    int d, k;
    for (d = 0; d < last && w->o[1].stride[d] != 1; d++) { }
    if (d >= last || w->o[0].stride[last] != 1 || w->shape[d] < 8 || w->shape[last] < 8) return 0;
    w->whole[0] = w->shape[last]; w->whole[1] = w->shape[d]; w->whole[2] = w->o[1].stride[last]; w->whole[3] = w->o[0].stride[d];
    w->n /= w->shape[last] * w->shape[d];
    for (w->ndim -= 2; d < last - 1; d++) {
        w->shape[d] = w->shape[d + 1]; for (k = 0; k < 2; k++) w->o[k].stride[d] = w->o[k].stride[d + 1];
    }
    if (!w->ndim) { w->ndim = 1; w->shape[0] = 1; w->o[0].stride[0] = w->o[1].stride[0] = 0; }
    return w->n * tg__ceil_div(w->whole[0], 32) * tg__ceil_div(w->whole[1], 32);
}
TG__PRIVATE tg_launch tg__cu_copy(tg__cu *s, const tg_request *r, const tg_operand *o, void *const *base) {
    tg__cu_key k = TG__ZERO;
    tg__cu_walk w;
    tg__loop l;
    bool raw = o[0].dtype == o[1].dtype && !o[1].immediate;
    tg__loop_make(&l, o, 2);
    if (l.numel == 0) return TG_LAUNCH_DONE;
    if (r->kind == TG_COPY_BLOCKS) {
        const bool pack = tg__is_block(o[0].dtype);
        tg_operand told[2];
        told[0] = o[0]; told[1] = o[1];
        told[!pack].dtype = (tg_dtype)((int)o[!pack].dtype - TG__CU_CODE);
        tg__cu_walk_of(&w, r, &l, told, base, 2, &k);
        k.group = TG__CU_GROUP_COPY; k.type = 32;
        if (pack) w.n /= TG__BLOCK;
        return tg__cu_done(tg__cu_launch_kernel(s, &k, pack ? "pack" : "unpack", tg__cu_blocks(s, w.n), &w));
    }
    tg__cu_walk_of(&w, r, &l, o, base, 2, &k);
    k.group = TG__CU_GROUP_COPY; k.type = raw ? 0 : tg__cu_type(r->compute);
    if (raw) k.dtypes = 0;
    if (raw && l.ndim == 1 && (l.numel == 1 || (l.stride[0][0] == 1 && l.stride[1][0] == 1)))
        return tg__cu_done(TG__CU_OK(s, within((tg__cu_address)(uintptr_t)w.o[0].p,
            (tg__cu_address)(uintptr_t)w.o[1].p, (size_t)l.numel * tg_dtype_size(o[0].dtype), s->stream),
            "cuMemcpyDtoDAsync"));
    if (o[1].immediate) {                                              /* a number: filled in */
        tg_operand y = o[0];
        memset(w.whole, 0, sizeof w.whole);
        tg__put_scalar(&w.whole[0], y.dtype, w.o[1].f, w.o[1].i, w.o[1].number == 2);
        k.type = 0; k.dtypes = 0;
        return tg__cu_done(tg__cu_launch_kernel(s, &k, tg__cu_raw(TG__CU_RAW_FILL, y.dtype), tg__cu_blocks(s, w.n), &w));
    }
    w.wide = tg__cu_wide_of(s, w.n, w.ndim, w.shape, w.o, 2);
    if (raw && !w.wide) {
        const int64_t squares = tg__cu_turned(&w);
        if (squares) return tg__cu_done(tg__cu_launch_kernel(s, &k, tg__cu_raw(TG__CU_RAW_TURN, o[0].dtype), squares, &w));
    }
    return tg__cu_done(tg__cu_launch_kernel(s, &k, raw ? tg__cu_raw(TG__CU_RAW_COPY, o[0].dtype) : "cast",
        tg__cu_blocks(s, w.wide ? w.n / 8 : w.n), &w));
}
/* One over the other, of the same shape and type. */
TG__PRIVATE bool tg__cu_copy_over(tg__cu *s, const tg_operand *to, void *to_base, const tg_operand *from, void *from_base) {
    tg_request r;
    tg_operand both[2];
    void *base[2];
    memset(&r, 0, sizeof r);
    r.family = TG_FAMILY_COPY; r.kind = TG_COPY_ELEMENTS; r.n = 2; r.compute = tg__compute_type(to->dtype);
    both[0] = *to; both[0].use = TG_WRITE; base[0] = to_base;
    both[1] = *from; both[1].use = TG_READ; base[1] = from_base;
    return tg__cu_copy(s, &r, both, base) == TG_LAUNCH_DONE;
}
TG__PRIVATE tg_launch tg__cu_fill(tg__cu *s, const tg_request *r, const tg_operand *o, void *const *base) {
    const bool ramp = r->kind == TG_FILL_RAMP;
    tg__cu_key k = TG__ZERO;
    tg__cu_walk w;
    tg__loop l;
    tg__loop_make(&l, o, 1);
    if (l.numel == 0) return TG_LAUNCH_DONE;
    tg__cu_walk_of(&w, r, &l, o, base, 1, &k);
    k.group = TG__CU_GROUP_COPY; k.type = ramp && tg_dtype_is_float(o[0].dtype) ? 64 : 0;
    if (!ramp) { k.dtypes = 0; memcpy(&w.whole[0], &r->whole[0], tg_dtype_size(o[0].dtype)); }
    return tg__cu_done(tg__cu_launch_kernel(s, &k, ramp ? "ramp" : tg__cu_raw(TG__CU_RAW_FILL, o[0].dtype), tg__cu_blocks(s, w.n), &w));
}

/* In row-major order, whatever the strides. */
TG__PRIVATE tg_launch tg__cu_random(tg__cu *s, const tg_request *r, const tg_operand *o, void *const *base) {
    tg__cu_key k = TG__ZERO;
    tg__cu_walk w;
    tg__loop l;
    const char *name;
    int d, i;
    l.numel = tg__operand_numel(o);
    if (l.numel == 0) return TG_LAUNCH_DONE;
    l.ndim = 0;
    for (d = 0; d < o->ndim; d++) {
        bool merge = l.ndim > 0;
        for (i = 0; i < r->n; i++) merge = merge && l.stride[i][l.ndim - 1] == o[i].stride[d] * o->shape[d];
        if (merge) l.ndim--;
        l.shape[l.ndim] = merge ? l.shape[l.ndim] * o->shape[d] : o->shape[d];
        for (i = 0; i < r->n; i++) l.stride[i][l.ndim] = o[i].stride[d];
        l.ndim++;
    }
    if (!l.ndim) { l.ndim = 1; l.shape[0] = 1; l.stride[0][0] = l.stride[1][0] = 1; }
    tg__cu_walk_of(&w, r, &l, o, base, r->n, &k);
    if (r->n == 1) w.o[1] = w.o[0];
    w.part = r->kind == TG_RANDOM_KEEP && r->n > 1;        /* times x: dropout in one pass */
    k.group = TG__CU_GROUP_RANDOM; k.type = tg__cu_type(r->compute);
    name = "random";
    if (r->kind == TG_RANDOM_BERNOULLI) return tg__cu_launch_doubtful(s, &k, name, tg__cu_blocks(s, w.n), &w, &w.look, &w.flag);
    return tg__cu_done(tg__cu_launch_kernel(s, &k, name, tg__cu_blocks(s, w.n), &w));
}

/* The walks and the cuts are the CPU's: >>impl-reduce. */
TG__PRIVATE tg_launch tg__cu_reduce_launch(tg__cu *s, const tg_request *r, const tg_operand *o, void *const *base) {
    static const char *const names[4][4] = {
#define TG__CU_NAMES(how) { how "_sum", how "_prod", how "_max", how "_min" }
        TG__CU_NAMES("runs"), TG__CU_NAMES("short"), TG__CU_NAMES("columns"), TG__CU_NAMES("join") };
#undef TG__CU_NAMES
    tg__cu_key k = TG__ZERO;
    tg__cu_reduce a;
    tg__reduce_plan j;
    tg__cu_address partial = 0;
    size_t bytes = 0;
    int64_t blocks;
    int d, how;
    bool ok;
    memset(&a, 0, sizeof a);
    memset(&j, 0, sizeof j);
    j.job.r = r; j.job.o = o;
    j.places = o[1].use == TG_ABSENT ? NULL : (int64_t *)(void *)tg__cu_at(o, base, 1);
    tg__reduce_walks(&j);
    if (j.outs == 0) return TG_LAUNCH_DONE;
    a.outs = j.outs; a.length = j.length; a.scale = r->number[0];
    a.x = tg__cu_at(o, base, 2); a.y = tg__cu_at(o, base, 0); a.places = j.places;
    a.xd = (int32_t)o[2].dtype; a.yd = (int32_t)(o[0].use == TG_ABSENT ? o[2].dtype : o[0].dtype);
    a.kept_dims = j.kept.ndim; a.run_dims = j.run.ndim;
    for (d = 0; d < TG_MAX_DIMS; d++) {
        a.kept[d] = j.kept.shape[d]; a.ky[d] = j.kept.stride[0][d]; a.kx[d] = j.kept.stride[1][d]; a.kp[d] = j.kept.stride[2][d];
        a.run[d] = j.run.shape[d]; a.rx[d] = j.run.stride[0][d];
    }
    d = j.kept.ndim - 1;
    how = !j.places && j.length > 0 && j.outs > 1 && j.kept.stride[1][d] == 1 && j.kept.shape[d] >= 4 &&
        j.run.stride[0][j.run.ndim - 1] != 1 ? 2 : 0;
    a.piece = how == 2 ? TG__REDUCE_ROWS : TG__REDUCE_RUN_PIECE;
    if (how == 0 && j.outs > 1 && j.length > 0 && j.length <= TG__REDUCE_SHORT) how = 1;
    a.pieces = j.length > a.piece ? tg__ceil_div(j.length, a.piece) : 1;
    if (a.pieces > 1) {
        bytes = (size_t)a.pieces * (size_t)a.outs * 8 * (j.places ? 2 : 1);
        partial = tg__cu_take(s, bytes);
        if (!partial) return TG_LAUNCH_FAILED;
        a.partial = (char *)(uintptr_t)partial;
    }
    k.group = TG__CU_GROUP_REDUCE; k.kind = r->kind; k.type = tg__cu_type(r->compute); k.dtypes = (uint32_t)a.yd | (uint32_t)a.xd << 4;
    blocks = how == 0 ? tg__ceil_div(a.outs * a.pieces, 4) : how == 1 ? tg__ceil_div(a.outs, 256) : tg__ceil_div(a.outs, 256) * a.pieces;
    ok = tg__cu_launch_kernel(s, &k, names[how][r->kind], blocks, &a);
    if (partial) {
        ok = ok && tg__cu_launch_kernel(s, &k, names[3][r->kind], tg__ceil_div(a.outs, 256), &a);
        tg__cu_give(s, partial, bytes);
    }
    return tg__cu_done(ok);
}

TG__PRIVATE tg_launch tg__cu_softmax(tg__cu *s, const tg_request *r, const tg_operand *o, void *const *base) {
    const int dim = (int)r->whole[0];
    tg__cu_key k = TG__ZERO;
    tg__cu_rows a;
    tg__loop l;
    tg_operand kept[2];
    int d;
    memset(&a, 0, sizeof a);
    kept[0] = o[0]; kept[1] = o[1];
    a.length = 1; a.xs = a.ys = 1;
    if (o[0].ndim) {
        a.length = o[0].shape[dim];
        if (a.length != 1) { a.ys = o[0].stride[dim]; a.xs = o[1].stride[dim]; }
        tg__operand_without(&kept[0], dim); tg__operand_without(&kept[1], dim);
    }
    tg__loop_make(&l, kept, 2);
    a.rows = l.numel;
    if (a.rows == 0 || a.length == 0) return TG_LAUNCH_DONE;
    a.ndim = l.ndim; a.kind = r->kind; a.xd = (int32_t)o[1].dtype; a.yd = (int32_t)o[0].dtype;
    for (d = 0; d < l.ndim; d++) { a.shape[d] = l.shape[d]; a.ky[d] = l.stride[0][d]; a.kx[d] = l.stride[1][d]; }
    a.x = tg__cu_at(o, base, 1); a.y = tg__cu_at(o, base, 0);
    k.group = TG__CU_GROUP_SOFTMAX; k.type = tg__cu_type(r->compute); k.dtypes = (uint32_t)a.yd | (uint32_t)a.xd << 4;
    return tg__cu_done(tg__cu_launch_kernel(s, &k, "softmax", tg__ceil_div(a.rows, 4), &a));
}
TG__PRIVATE tg_launch tg__cu_entropy(tg__cu *s, const tg_request *r, const tg_operand *o, void *const *base) {
    const bool derive = (r->kind & 1) != 0, mean = r->kind >= 2, sums = mean && !derive;
    const char *const name = derive ? "entropy" : "softmax";
    tg__cu_key k = TG__ZERO;
    tg__cu_rows a;
    tg__cu_address losses = 0;
    size_t bytes;
    tg_launch done;
    memset(&a, 0, sizeof a);
    a.rows = o[2].shape[0]; a.length = o[2].shape[1];
    if (a.rows == 0 && !sums) return TG_LAUNCH_DONE;
    if (a.length == 0 || tg_dtype_is_float(o[3].dtype) || o[3].dtype == TG_BOOL) return TG_LAUNCH_DECLINED;
    a.ndim = 1; a.shape[0] = a.rows; a.kx[0] = o[2].stride[0]; a.xs = o[2].stride[1]; a.kind = 2;
    a.xd = (int32_t)o[2].dtype; a.md = (int32_t)o[0].dtype; a.yd = (int32_t)(sums ? r->compute : o[0].dtype);
    a.cd = (int32_t)o[3].dtype; a.cs = o[3].stride[0];
    a.y = tg__cu_at(o, base, 0); a.row = tg__cu_at(o, base, 1); a.x = tg__cu_at(o, base, 2); a.classes = tg__cu_at(o, base, 3);
    if (derive) { a.g = tg__cu_at(o, base, 4); a.gs = mean ? 0 : o[4].stride[0]; }
    if (mean) { a.per = tg__entropy_per(a.length); a.chunks = tg__entropy_chunks(a.rows, a.length); }
    k.group = TG__CU_GROUP_SOFTMAX; k.type = tg__cu_type(r->compute);
    k.dtypes = (uint64_t)a.yd | (uint64_t)a.xd << 4 | (uint64_t)a.cd << 8 | (uint64_t)a.md << 12;
    bytes = (size_t)a.rows * tg_dtype_size(r->compute);
    if (sums) {                                                        /* the losses wait beside */
        a.mean = a.y;
        losses = tg__cu_take(s, bytes);
        if (!losses) return TG_LAUNCH_FAILED;
        a.y = (char *)(uintptr_t)losses;
    }
    done = tg__cu_launch_doubtful(s, &k, name, tg__ceil_div(a.rows, 4), &a, &a.look, &a.flag);
    if (sums) {
        if (done == TG_LAUNCH_DONE)
            done = tg__cu_done(tg__cu_launch_kernel(s, &k, "entropy_sums", tg__ceil_div(a.chunks, 4), &a) &&
                tg__cu_launch_kernel(s, &k, "entropy_mean", 1, &a));
        tg__cu_give(s, losses, bytes);
    }
    return done;
}

TG__PRIVATE tg_launch tg__cu_index_launch(tg__cu *s, const tg_request *r, const tg_operand *o, void *const *base) {
    const int dim = (int)r->whole[0], walk = r->kind == TG_INDEX_TAKE ? 0 : 1;
    tg__cu_key k = TG__ZERO;
    tg__cu_index a;
    tg_operand h[3];
    tg__loop l;
    const char *name;
    int64_t blocks;
    int d, i;
    memset(&a, 0, sizeof a);
    for (i = 0; i < 3; i++) {
        h[i] = o[i];
        for (d = 0; d < o[walk].ndim; d++) h[i].shape[d] = o[walk].shape[d];
        tg__operand_without(&h[i], dim);
    }
    tg__loop_make(&l, h, 3);
    a.n = l.numel; a.k = o[walk].shape[dim]; a.ndim = l.ndim;
    if (a.n == 0 || a.k == 0) return TG_LAUNCH_DONE;
    for (d = 0; d < l.ndim; d++) { a.shape[d] = l.shape[d]; a.sy[d] = l.stride[0][d]; a.sx[d] = l.stride[1][d]; a.si[d] = l.stride[2][d]; }
    a.ki = o[2].stride[dim]; a.limit = o[1 - walk].shape[dim];
    if (walk == 0) { a.ky = o[0].stride[dim]; a.xv = o[1].stride[dim]; } else { a.kx = o[1].stride[dim]; a.yv = o[0].stride[dim]; }
    a.y = tg__cu_at(o, base, 0); a.x = tg__cu_at(o, base, 1); a.index = (int64_t *)(void *)tg__cu_at(o, base, 2);
    a.kind = r->kind; a.dtype = (int32_t)o[0].dtype; a.size = (int32_t)tg_dtype_size(o[0].dtype);
    k.group = TG__CU_GROUP_INDEX; k.dtypes = (uint32_t)a.dtype;
    if (walk == 0) {                                                   /* neighbours take neighbours: along the slices, or along k */
        a.buckets = l.stride[0][l.ndim - 1] == 1 && l.shape[l.ndim - 1] > 1;
        name = "index_take"; blocks = tg__cu_blocks(s, a.n * a.k);
    } else {
        for (a.buckets = 1; a.buckets < 64 && a.n * a.buckets < 65536 && a.buckets * 2 <= a.limit; a.buckets *= 2) { }
        name = "index_scatter"; blocks = tg__ceil_div(a.n * a.buckets, 256);
    }
    return tg__cu_launch_doubtful(s, &k, name, blocks, &a, &a.look, &a.flag);
}

/* Where rows lie side by side the CPU adds one after the other, else in pairs. Long rows, if few, are cut. */
TG__PRIVATE tg_launch tg__cu_scan(tg__cu *s, const tg_request *r, const tg_operand *o, void *const *base) {
    tg__cu_key k = TG__ZERO;
    tg__cu_walk w;
    size_t bytes;
    int64_t items;
    int i, last;
    bool ok;
    if (!tg__cu_rows_of(&w, r, o, base, (int)r->whole[0], &k) || w.o[0].count == 0) return TG_LAUNCH_DONE;
    k.group = TG__CU_GROUP_SCAN; k.type = r->compute == TG_I64 ? 0 : 64;
    last = w.ndim - 1;
    w.part = w.shape[last] < TG__SCAN_SIDE;
    for (i = 0; i < r->n; i++) if (o[i].use != TG_ABSENT && w.o[i].stride[last] != 1) w.part = 1;
    w.piece = w.o[0].count;
    if (w.n < 4096 && w.o[0].count > 1024) for (w.piece = TG__SCAN_TILE; w.piece * w.piece < 4 * w.o[0].count; w.piece *= 2) { }
    w.pieces = tg__ceil_div(w.o[0].count, w.piece);
    items = w.n * w.pieces;
    if (w.pieces == 1) return tg__cu_done(tg__cu_launch_kernel(s, &k, "scan", tg__cu_blocks(s, items), &w));
    bytes = (size_t)items * 24;
    w.work = (char *)(uintptr_t)tg__cu_take(s, bytes);
    if (!w.work) return TG_LAUNCH_FAILED;
    ok = tg__cu_launch_kernel(s, &k, "scan_pieces", tg__cu_blocks(s, items), &w) &&
        tg__cu_launch_kernel(s, &k, "scan_before", tg__cu_blocks(s, w.n), &w) &&
        tg__cu_launch_kernel(s, &k, "scan", tg__cu_blocks(s, items), &w);
    tg__cu_give(s, (tg__cu_address)(uintptr_t)w.work, bytes);
    return tg__cu_done(ok);
}

/* Blocks of 1024 entries are sorted by themselves, of several short rows or of a long one, whose blocks are then merged by two.
   Where the order's first quarter of a block is enough, as of topk, a block keeps no more, and what all of a row keep is a
   shorter row, until it is one block. */
TG__PRIVATE void tg__cu_sort_cut(tg__cu_walk *w) {
    for (w->piece = 2; w->piece < 1024 && w->piece < w->length; w->piece *= 2) { }
    w->pieces = tg__ceil_div(w->length, w->piece);
}
/* what is kept of a row */
TG__PRIVATE int64_t tg__cu_sort_kept(const tg__cu_walk *w) {
    return (w->pieces - 1) * w->whole[2] + tg__imin(w->whole[2], w->length - (w->pieces - 1) * w->piece);
}
TG__PRIVATE tg_launch tg__cu_sort(tg__cu *s, const tg_request *r, const tg_operand *o, void *const *base) {
    tg__cu_key k = TG__ZERO;
    tg__cu_walk w;
    size_t bytes = 0;
    bool ok, picks;
    if (!tg__cu_rows_of(&w, r, o, base, (int)r->whole[0], &k) || w.o[0].count == 0) return TG_LAUNCH_DONE;
    k.group = TG__CU_GROUP_SORT; k.type = 0; k.dtypes &= 0xf00;
    w.length = w.o[2].count;
    tg__cu_sort_cut(&w);
    /* what a piece keeps; [3]: entries in each half of work; [4]: is it these that are sorted, not yet x? */
    w.whole[2] = r->whole[1] + w.o[0].count;
    w.whole[4] = 0; w.part = 1;
    picks = w.pieces > 1 && w.whole[2] <= w.piece / 4;
    if (w.pieces > 1) {
        if (!picks) w.whole[2] = w.piece;
        w.whole[3] = w.n * tg__cu_sort_kept(&w);
        bytes = (size_t)w.whole[3] * 32;
        w.work = (char *)(uintptr_t)tg__cu_take(s, bytes);
        if (!w.work) return TG_LAUNCH_FAILED;
    }
    ok = tg__cu_launch_kernel(s, &k, "sort_blocks", tg__ceil_div(w.n * w.pieces, 1024 / w.piece), &w);
    if (!bytes) return tg__cu_done(ok);
    if (picks) while (ok && w.pieces > 1) {
        w.length = tg__cu_sort_kept(&w); w.whole[4] = 1; w.part ^= 1;
        tg__cu_sort_cut(&w);
        ok = tg__cu_launch_kernel(s, &k, "sort_blocks", tg__ceil_div(w.n * w.pieces, 1024 / w.piece), &w);
    } else {
        for (w.part = 0; w.piece < w.length; w.piece *= 2, w.part ^= 1)
            ok = ok && tg__cu_launch_kernel(s, &k, "sort_merge", tg__cu_blocks(s, w.n * w.length), &w);
        ok = ok && tg__cu_launch_kernel(s, &k, "sort_write", tg__cu_blocks(s, w.n * w.o[0].count), &w);
    }
    tg__cu_give(s, (tg__cu_address)(uintptr_t)w.work, bytes);
    return tg__cu_done(ok);
}
TG__PRIVATE tg_launch tg__cu_search_launch(tg__cu *s, const tg_request *r, const tg_operand *o, void *const *base) {
    tg__cu_key k = TG__ZERO;
    tg__cu_walk w;
    if (!tg__cu_rows_of(&w, r, o, base, o[0].ndim - 1, &k)) return TG_LAUNCH_DONE;
    k.group = TG__CU_GROUP_SORT; k.type = 0;
    return tg__cu_done(tg__cu_launch_kernel(s, &k, "search", tg__cu_blocks(s, w.n * w.o[0].count), &w));
}

/* Rows, by 32 or 256 threads each; few long ones are cut, and their sums joined between launches. */
TG__PRIVATE tg_launch tg__cu_norm(tg__cu *s, const tg_request *r, const tg_operand *o, void *const *base) {
    const bool back = r->part == 1, weights = back && !r->whole[1] && (o[1].use != TG_ABSENT || o[2].use != TG_ABSENT);
    tg__cu_key k = TG__ZERO;
    tg__norm_plan j;
    tg__cu_walk w;
    size_t bytes;
    int64_t items;
    int i, d, what;
    bool ok = true;
    memset(&j, 0, sizeof j);
    j.job.r = r; j.job.o = o;
    tg__norm_walks(&j, (int)r->whole[0]);
    if (j.kept.numel == 0 || j.run.numel == 0) return TG_LAUNCH_DONE;
    if (j.kept.ndim + j.run.ndim > TG_MAX_DIMS) return TG_LAUNCH_DECLINED;
    tg__cu_walk_of(&w, r, &j.kept, o, base, r->n, &k);
    w.within = j.run.ndim; w.length = j.run.numel;
    for (d = 0; d < j.run.ndim; d++) {
        w.shape[w.ndim + d] = j.run.shape[d];
        for (i = 0; i < r->n; i++) w.o[i].stride[w.ndim + d] = j.run.stride[i][d];
    }
    w.piece = w.n >= 256 || w.length <= 8192 ? w.length : tg__imax(4096, tg__ceil_div(w.length * w.n, 2048));
    w.pieces = tg__ceil_div(w.length, w.piece); w.lanes = w.length > 1024 ? 256 : 32;
    /* rows of a part of the weights' sums, and parts */
    w.whole[2] = tg__imax(16, tg__ceil_div(w.n, 64)); w.whole[3] = tg__ceil_div(w.n, w.whole[2]);
    items = w.n * w.pieces;
    bytes = (size_t)w.n * 32 + (size_t)items * 16 + (weights ? (size_t)w.whole[3] * (size_t)w.length * 16 : 0);
    w.work = (char *)(uintptr_t)tg__cu_take(s, bytes);
    if (!w.work) return TG_LAUNCH_FAILED;
    k.group = TG__CU_GROUP_NORM; k.type = tg__cu_type(r->compute);
    if (w.pieces == 1) ok = tg__cu_launch_kernel(s, &k, back ? "norm_back" : "norm", tg__ceil_div(w.n, 256 / w.lanes), &w);
    else {
        for (what = back ? 2 : r->kind == TG_NORM_RMS; ok && what <= (back ? 2 : 1); what++) {
            w.whole[4] = what;
            ok = tg__cu_launch_kernel(s, &k, "norm_pieces", tg__ceil_div(items, 256 / w.lanes), &w) &&
                tg__cu_launch_kernel(s, &k, "norm_join", tg__cu_blocks(s, w.n), &w);
        }
        ok = ok && tg__cu_launch_kernel(s, &k, "norm_apply", tg__cu_blocks(s, w.n * w.length), &w);
    }
    if (weights)
        ok = ok && tg__cu_launch_kernel(s, &k, "norm_weights", tg__cu_blocks(s, w.length * w.whole[3]), &w) &&
            tg__cu_launch_kernel(s, &k, "norm_weights_join", tg__cu_blocks(s, w.length), &w);
    tg__cu_give(s, (tg__cu_address)(uintptr_t)w.work, bytes);
    return tg__cu_done(ok);
}

/* Where the channels of x lie side by side, the CPU goes through a window in another order. */
TG__PRIVATE tg_launch tg__cu_pool(tg__cu *s, const tg_request *r, const tg_operand *o, void *const *base) {
    const tg_operand *x = r->kind >= TG_POOL_BACK ? &o[0] : &o[2], *y = r->kind >= TG_POOL_BACK ? &o[2] : &o[0];
    tg__cu_key k = TG__ZERO;
    tg__cu_walk w;
    if (!tg__cu_shapes_of(&w, r, o, base, &k)) return TG_LAUNCH_DONE;
    if (x->stride[1] == 1 && y->stride[1] == 1 && x->shape[1] > 1 && x->stride[4] != 1) w.part |= 4;
    k.group = TG__CU_GROUP_POOL; k.type = tg__cu_type(r->compute);
    return tg__cu_done(tg__cu_launch_kernel(s, &k,
        r->kind == TG_POOL_BACK ? "pool_back" : r->kind == TG_POOL_MAX_BACK ? "pool_claim" : "pool",
        tg__cu_blocks(s, w.n), &w));
}

/* Do 16 bytes that stand side by side in a row begin at a multiple of 16? */
TG__PRIVATE bool tg__cu_by_16(const tg_operand *o, const void *base) {
    int d;
    bool yes = o->use != TG_ABSENT && !o->immediate && ((uintptr_t)base + (uintptr_t)o->offset) % 16 == 0 && o->stride[o->ndim - 1] == 1;
    for (d = 0; yes && d < o->ndim - 1; d++) yes = o->shape[d] == 1 || o->stride[d] % (16 / (int64_t)tg_dtype_size(o->dtype)) == 0;
    return yes;
}
/* May matrix units make it? They sum halves in f32, in an order of theirs, which strict mode does not allow. */
TG__PRIVATE bool tg__cu_has_matrix(const tg__cu *s, const tg_operand *o) {
    return s->arch >= 80 && !s->tg->config.strict && (o->dtype == TG_F16 || o->dtype == TG_BF16);
}

/* Tiles of 32 rows of a result, by columns of one: of queries against keys, or of keys against the queries of the heads that
   share them; or by matrix units of 128 rows, all columns. A derivative makes the scores again for each of its three results. */
/* One query of each head, as when a text is continued: its keys are cut into pieces, a block each, which are joined in order. */
TG__PRIVATE tg_launch tg__cu_attend_one(tg__cu *s, const tg__cu_key *k, const tg_operand *o, tg__cu_walk *w) {
    const int64_t heads = w->piece * o[2].shape[1], keys = o[3].shape[2];
    size_t bytes;
    bool ok;
    w->pieces = keys > TG__CU_ONE_KEYS ? tg__ceil_div(keys, TG__CU_ONE_KEYS) : 1;
    w->wide = w->o[3].p && w->o[3].stride[3] == 1 && o[3].shape[3] % 8 == 0 && tg__cu_by_16(&o[3], w->o[3].p - o[3].offset);
    if (w->pieces == 1) return tg__cu_done(tg__cu_launch_kernel(s, k, "attend_one", heads, w));
    bytes = (size_t)(heads * w->pieces * (o[0].shape[3] + 2)) * (k->type == 64 ? 8 : 4);
    w->work = (char *)(uintptr_t)tg__cu_take(s, bytes);
    if (!w->work) return TG_LAUNCH_FAILED;
    ok = tg__cu_launch_kernel(s, k, "attend_one", heads * w->pieces, w) && tg__cu_launch_kernel(s, k, "attend_join", heads, w);
    tg__cu_give(s, (tg__cu_address)(uintptr_t)w->work, bytes);
    return tg__cu_done(ok);
}
TG__PRIVATE tg_launch tg__cu_attention(tg__cu *s, const tg_request *r, const tg_operand *o, void *const *base) {
    static const char *const names[2][4] = { { "attend_dq", "attend_dk", "attend_dv", "attend" },
        { "attend_matrix_dq", "attend_matrix_dk", "attend_matrix_dv", "attend_matrix" } };
    const bool back = r->kind == TG_ATTENTION_DERIVATIVE;
    const int from = back ? 3 : 2;
    tg__cu_key k = TG__ZERO, matrix_key;
    tg__cu_walk w;
    size_t bytes;
    int64_t wide, rows = 32;
    int i;
    bool ok, matrix = tg__cu_has_matrix(s, &o[from]);
    (void)tg__cu_shapes_of(&w, r, o, base, &k);
    k.group = TG__CU_GROUP_ATTENTION; k.type = tg__cu_type(r->compute);
    wide = k.type == 64 ? 64 : 128;
    w.piece = o[from].shape[0]; w.n = w.piece * o[from].shape[1] * o[from].shape[2];      /* batches; queries of all */
    for (i = 0; i < r->n; i++) {
        if (o[i].use == TG_ABSENT || i == from + 3 || o[i].dtype == TG_F32) continue;      /* a mask; what is kept of the scores */
        matrix = matrix && !o[i].immediate && o[i].dtype == o[from].dtype && o[i].shape[3] >= 1 && o[i].shape[3] <= 128;
    }
    matrix_key = k;
    if (matrix) {
        matrix_key.group = TG__CU_GROUP_ATTENTION_MATRIX;
        matrix_key.kind = (int)tg__ceil_div(o[from].shape[3], 16) | (int)tg__ceil_div(o[from + 2].shape[3], 16) << 4;
        matrix_key.part = (r->number[1] != 0) | back << 1 | (o[from + 3].use != TG_ABSENT) << 2;
        rows = 128;
        for (w.part = 0, i = 0; i < r->n; i++) if (tg__cu_by_16(&o[i], base[i])) w.part |= 1 << i;
    }
    if (!back) {
        if (w.n == 0 || o[0].shape[3] == 0) return TG_LAUNCH_DECLINED;
        if (o[2].shape[2] == 1 && r->number[1] == 0 && o[2].shape[3] <= TG__CU_WIDE_HEAD && o[0].shape[3] <= TG__CU_WIDE_HEAD)
            return tg__cu_attend_one(s, &k, o, &w);
        return tg__cu_done(tg__cu_launch_kernel(s, &matrix_key, names[matrix][3],
            w.piece * o[2].shape[1] * tg__ceil_div(o[2].shape[2], rows) * (matrix ? 1 : tg__ceil_div(o[0].shape[3],
            wide)), &w));
    }
    bytes = (size_t)w.n * (k.type == 64 ? 8 : 4);
    w.work = (char *)(uintptr_t)tg__cu_take(s, bytes);
    if (!w.work) return TG_LAUNCH_FAILED;
    ok = tg__cu_launch_kernel(s, &k, "attend_delta", tg__cu_blocks(s, w.n), &w);
    for (i = 0; i < 3; i++) if (o[i].use != TG_ABSENT)
        ok = ok && tg__cu_launch_kernel(s, &matrix_key, names[matrix][i],
            w.piece * o[i].shape[1] * tg__ceil_div(o[i].shape[2], rows) * (matrix ? 1 : tg__ceil_div(o[i].shape[3],
            wide)), &w);
    tg__cu_give(s, (tg__cu_address)(uintptr_t)w.work, bytes);
    return tg__cu_done(ok);
}

/* A step of a recurrent cell: the rules of >>pass-rnn, a unit at a time. */
TG__PRIVATE tg_launch tg__cu_rnn(tg__cu *s, const tg_request *r, const tg_operand *o, void *const *base) {
    const tg_operand *h = &o[r->part ? 4 : 0];
    tg__cu_key k = TG__ZERO;
    tg__cu_walk w;
    int i;
    (void)tg__cu_shapes_of(&w, r, o, base, &k);
    w.n = h->shape[0] * h->shape[1]; w.length = h->shape[1]; w.whole[0] = (o[2].use & TG_WRITE) != 0;
    for (i = 0; i < r->n; i++) w.o[i].step = o[i].ndim == 2 ? o[i].stride[0] : 0;
    k.group = TG__CU_GROUP_RNN; k.type = tg__cu_type(r->compute); k.dtypes = 0;
    return w.n ? tg__cu_done(tg__cu_launch_kernel(s, &k, r->part ? "rnn_back" : "rnn", tg__cu_blocks(s, w.n), &w)) : TG_LAUNCH_DONE;
}

/* Sizes: the CPU's taps along D, H and W, sent beside: where each position's begin, how many they are, their weights. The
   nearest modes move elements; bytes have weights of whole numbers. */
TG__PRIVATE tg_launch tg__cu_resize(tg__cu *s, const tg_request *r, tg__cu_walk *w, tg__cu_key *k, const tg_operand *o) {
    const bool pick = r->kind == TG_RESAMPLE_SIZE && (r->whole[0] == TG_INTERPOLATE_NEAREST ||
        r->whole[0] == TG_INTERPOLATE_NEAREST_EXACT), bytes_of = !pick && r->compute == TG_I64;
    tg__resize_plan j;
    tg__taps t[3];
    double largest;
    size_t bytes = 0, at = 0;
    int d, made;
    bool ok = true;
    memset(&j, 0, sizeof j);
    j.job.r = r; j.job.o = o;
    for (made = 0; ok && made < 3; made++) {
        t[made].first = NULL; t[made].weight = NULL;
        ok = tg__resize_taps(s->tg, &j, made, &t[made], &largest);
        if (ok && bytes_of) { tg__taps_narrow(&t[made], true, largest); w->whole[6 + made] = t[made].bits; }
        if (ok) bytes += (size_t)t[made].n * 16 + t[made].bytes;
    }
    if (ok) w->work = (char *)(uintptr_t)tg__cu_take(s, bytes);
    /* whole[2 d]: where the table of d is; whole[2 d + 1]: from one position's weights to the next one's */
    for (d = 0; ok && w->work && d < 3; d++) {
        w->whole[2 * d] = (int64_t)at; w->whole[2 * d + 1] = t[d].most;
        ok = TG__CU_OK(s, in((tg__cu_address)(uintptr_t)w->work + at, t[d].first, (size_t)t[d].n * 16, s->stream), "cuMemcpyHtoDAsync") &&
            TG__CU_OK(s, in((tg__cu_address)(uintptr_t)w->work + at + (size_t)t[d].n * 16, t[d].weight, t[d].bytes,
                s->stream), "cuMemcpyHtoDAsync");
        at += (size_t)t[d].n * 16 + t[d].bytes;
    }
    while (made-- > 0) tg__taps_drop(s->tg, &t[made]);
    if (!ok && !s->why[0]) (void)tg__cu_fail(s, "no memory for the taps", 0);
    if (!w->work) return TG_LAUNCH_FAILED;
    if (pick) { w->length = (int64_t)tg_dtype_size(o[0].dtype); k->type = 0; k->dtypes = 0; }
    ok = ok && tg__cu_launch_kernel(s, k, pick ? "resample_pick" : bytes_of ? "resample_bytes" : "resample", tg__cu_blocks(s, w->n), w);
    tg__cu_give(s, (tg__cu_address)(uintptr_t)w->work, bytes);
    return tg__cu_done(ok);
}

/* How many channels a thread has, so that there is work for all of the GPU: what it looks up is the same for all of them. */
TG__PRIVATE void tg__cu_share_channels(const tg__cu *s, tg__cu_walk *w, int64_t channels, int64_t others) {
    w->piece = TG__ROUND_UP(tg__imin(64, tg__imax(1, channels * others / ((int64_t)s->processors * 1024))), 4);
    w->pieces = tg__ceil_div(channels, w->piece);
}
/* The gradient of what a grid looked up. Every tap of every place is an entry: the element of the picture's plane that it is,
   plane by plane. Sorted by it, stable, the entries of an element are a run in the CPU's order, and a thread adds them up. So
   it needs no atomics, and many places at one element wait for no other; searching the grid for an element would read
   all of it for each. As many pictures at once as want no more than 64 MB, one at least. */
TG__PRIVATE tg_launch tg__cu_grid_back(tg__cu *s, tg__cu_walk *w, const tg__cu_key *k, int64_t taps) {
    const int64_t entries = w->length * taps, size = w->o[0].size[2] * w->o[0].size[3] * w->o[0].size[4], images = w->shape[0];
    const int64_t each = entries * (24 + (k->type == 64 ? 8 : 4)),
        batch = tg__imin(images, tg__imax(1, ((int64_t)64 << 20) / (each + entries * 32)));
    const size_t bytes = (size_t)(batch * each);
    tg_request sort;
    tg_operand o[3];
    void *base[3];
    int64_t from;
    int i;
    bool ok = true;
    w->work = (char *)(uintptr_t)tg__cu_take(s, bytes);
    if (!w->work) return TG_LAUNCH_FAILED;
    memset(&sort, 0, sizeof sort); memset(o, 0, sizeof o);
    sort.family = TG_FAMILY_SORT; sort.n = 3; sort.compute = TG_I64; sort.whole[0] = 1;
    w->part = (int32_t)taps;
    for (from = 0; ok && from < images; from += batch) {
        const int64_t n = tg__imin(batch, images - from);
        /* work: the sorted elements, their entries, the elements; the weights */
        w->whole[6] = from; w->whole[7] = n * entries;
        for (i = 0; i < 3; i++) {
            o[i].use = i < 2 ? TG_WRITE : TG_READ; o[i].dtype = TG_I64; o[i].ndim = 2;
            o[i].shape[0] = n; o[i].shape[1] = entries; o[i].stride[0] = entries; o[i].stride[1] = 1;
            base[i] = w->work + i * n * entries * 8;
        }
        w->n = n * w->length;
        ok = tg__cu_launch_kernel(s, k, "grid_entries", tg__cu_blocks(s, w->n), w) && tg__cu_sort(s, &sort, o, base) == TG_LAUNCH_DONE;
        tg__cu_share_channels(s, w, w->o[0].size[1], n * size);
        w->n = n * w->pieces * size;
        ok = ok && tg__cu_launch_kernel(s, k, "grid_back", tg__cu_blocks(s, w->n), w);
    }
    tg__cu_give(s, (tg__cu_address)(uintptr_t)w->work, bytes);
    return tg__cu_done(ok);
}
/* Kernels find the picture in o[0], what was looked up in it in o[1], the grid in o[2] and its gradient in o[3]. */
TG__PRIVATE tg_launch tg__cu_grid(tg__cu *s, const tg_request *r, tg__cu_walk *w, tg__cu_key *k) {
    static const signed char which[3][4] = { { 1, 0, 2, 3 }, { 0, 1, 2, 3 }, { 2, 1, 3, 0 } };
    const int64_t each = r->whole[0] == TG_GRID_NEAREST ? 1 : r->whole[0] == TG_GRID_BICUBIC ? 4 : 2;
    tg__cu_view o[4];
    int i;
    for (i = 0; i < 4; i++) o[i] = w->o[which[r->kind - TG_RESAMPLE_GRID][i]];
    memcpy(w->o, o, sizeof o);
    for (i = 0; i < 4; i++) w->shape[i] = w->o[2].size[i];
    w->ndim = 4; w->length = w->shape[1] * w->shape[2] * w->shape[3]; w->n = w->shape[0] * w->length;
    k->dtypes = 0; k->group = TG__CU_GROUP_GRID;
    if (r->kind == TG_RESAMPLE_GRID_BACK) return tg__cu_grid_back(s, w, k, each * each * (w->o[2].size[4] == 3 ? each : 1));
    if (r->kind == TG_RESAMPLE_GRID_PLACE) return tg__cu_done(tg__cu_launch_kernel(s, k, "grid_place", tg__cu_blocks(s, w->n), w));
    tg__cu_share_channels(s, w, w->o[0].size[1], w->n);
    w->n *= w->pieces;
    return tg__cu_done(tg__cu_launch_kernel(s, k, "grid", tg__cu_blocks(s, w->n), w));
}
/* Kernels find the picture in o[0], the bins in o[1], the boxes in o[2]. Back an element of the picture goes through the
   boxes in order: those that do not reach it cost a glance at what the first launch wrote of them. */
TG__PRIVATE tg_launch tg__cu_boxes(tg__cu *s, const tg_request *r, tg__cu_walk *w, tg__cu_key *k) {
    const bool back = r->kind == TG_RESAMPLE_BOXES_BACK;
    const tg__cu_view first = w->o[0];
    const int64_t boxes = w->o[2].size[0];
    const size_t bytes = (size_t)tg__imax(1, boxes) * sizeof(tg__cu_boxed);
    tg_launch done;
    if (!back) { w->o[0] = w->o[1]; w->o[1] = first; }
    w->work = (char *)(uintptr_t)tg__cu_take(s, bytes);
    if (!w->work) return TG_LAUNCH_FAILED;
    k->dtypes = 0; k->group = TG__CU_GROUP_BOXES;
    w->n = boxes;
    done = tg__cu_launch_doubtful(s, k, "boxes_look", tg__cu_blocks(s, w->n), w, &w->look, &w->flag);
    w->pieces = tg__ceil_div(w->o[0].size[1], TG__CU_BOX_CHANNELS);
    w->n = (back ? w->o[0].size[0] * w->o[0].size[3] * w->o[0].size[4] : boxes * w->o[1].size[3] * w->o[1].size[4]) * w->pieces;
    if (done == TG_LAUNCH_DONE) done = tg__cu_done(tg__cu_launch_kernel(s, k, back ? "boxes_back" : "boxes", tg__cu_blocks(s, w->n), w));
    tg__cu_give(s, (tg__cu_address)(uintptr_t)w->work, bytes);
    return done;
}
TG__PRIVATE tg_launch tg__cu_resample(tg__cu *s, const tg_request *r, const tg_operand *o, void *const *base) {
    tg__cu_key k = TG__ZERO;
    tg__cu_walk w;
    if (!tg__cu_shapes_of(&w, r, o, base, &k)) return TG_LAUNCH_DONE;
    k.group = TG__CU_GROUP_RESAMPLE; k.type = tg__cu_type(r->compute);
    return r->kind <= TG_RESAMPLE_SIZE_BACK ? tg__cu_resize(s, r, &w, &k, o) : r->kind <= TG_RESAMPLE_GRID_PLACE
        ? tg__cu_grid(s, r, &w, &k) : tg__cu_boxes(s, r, &w, &k);
}

/* ---- plans: how libraries that need not be there make what they are asked for ---- */

TG__PRIVATE bool tg__cu_product_plan(tg__cu *s, tg__cu_plan *p, const char *bias);
TG__PRIVATE bool tg__cu_conv_plan(tg__cu *s, tg__cu_plan *p);
TG__PRIVATE void tg__cu_plan_free(tg__cu *s, tg__cu_plan *p) {
    int i;
    if (p->operation) (void)(p->is_conv ? s->n.conv_free : s->b.product_free)(p->operation);
    for (i = 0; i < 3; i++)
        if (p->layout[i])
            (void)(!p->is_conv ? s->b.layout_free : i == tg__conv_which[p->key.conv.kind][1] ? s->n.filter_free
                : s->n.tensor_free)(p->layout[i]);
    tg__mem_put(s->tg, p, sizeof *p);
}
TG__PRIVATE void tg__cu_plans_free(tg__cu *s) {
    int i;
    for (i = 0; i < TG__CU_PLANS; i++) while (s->plans[i]) {
        tg__cu_plan *p = s->plans[i];
        s->plans[i] = p->next;
        tg__cu_plan_free(s, p);
    }
    s->plan_count = 0;
}
/* Looks for the library when it is first asked for; the log is told once that there is none. The first of its functions makes a handle. */
TG__PRIVATE bool tg__cu_extra_ready(tg__cu *s, tg__cu_extra *e, const char *what, const char *makes,
    const char *const *files, const char *const *names, void *functions) {
    int (TG__CU_CALL *create)(void **handle);
    int code = 0;
    if (e->tried) return e->handle != NULL;
    e->tried = true;
    e->library = tg__cu_need(s, s->folder, what, files, NULL);
    if (e->library && tg__cu_functions(s, e->library, what, names, functions)) {
        memcpy(&create, functions, sizeof create);
        code = create(&e->handle);
        if (code) {
            tg__text t = tg__text_over(s->why, sizeof s->why);
            e->handle = NULL;
            tg__put(&t, names[0]); tg__put(&t, " failed with code "); tg__put_i64(&t, code);
        }
    }
    if (!e->handle) {
        char line[700];
        tg__text t = tg__text_over(line, sizeof line);
        tg__put(&t, "device 'cuda' makes "); tg__put(&t, makes); tg__put(&t, " by its own kernels: "); tg__put(&t, s->why);
        tg__log(s->tg, TG_LOG_INFO, line);
        s->why[0] = 0;
    }
    return e->handle != NULL;
}

/* The one that was kept, or a new one; `bias`: of a product. NULL: there is none to be had now. */
TG__PRIVATE tg__cu_plan *tg__cu_plan_for(tg__cu *s, bool conv, const void *key, const char *bias) {
    const size_t size = conv ? sizeof(tg__cu_conv_key) : sizeof(int64_t) * TG__CU_PRODUCT_KEY;
    uint64_t sum[2] = { 1, 2 };
    tg__cu_plan *p, **at;
    tg__cu_digest(sum, key, size);
    at = &s->plans[sum[0] % TG__CU_PLANS];
    for (p = *at; p; p = p->next) if (p->is_conv == conv && memcmp(&p->key, key, size) == 0) return p;
    if (s->plan_count >= TG__CU_PLANS_MOST) tg__cu_plans_free(s);
    p = (tg__cu_plan *)tg__mem_get(s->tg, sizeof *p);
    if (!p) return NULL;
    memset(p, 0, sizeof *p);
    memcpy(&p->key, key, size);
    p->is_conv = conv;
    if (!(conv ? tg__cu_conv_plan(s, p) : tg__cu_product_plan(s, p, bias))) { tg__cu_plan_free(s, p); return NULL; }
    p->next = *at; *at = p;
    s->plan_count++;
    return p;
}
/* Memory that a library's call wants beside its operands, perhaps none. False: there is no room, and another kernel must do without it. */
TG__PRIVATE bool tg__cu_room(tg__cu *s, size_t size, tg__cu_address *at) {
    *at = size ? tg__cu_take(s, size) : 0;
    if (!size || *at) return true;
    s->why[0] = 0;
    return false;
}
/* What becomes of the library's code: `fatal`, an error that names it; else the plan is no good, and another kernel tries. */
TG__PRIVATE tg_launch tg__cu_plan_done(tg__cu *s, tg__cu_plan *p, int code, bool fatal, const char *words) {
    tg__text t = tg__text_over(s->why, sizeof s->why);
    if (code == 0) {
        code = s->synchronise ? s->d.wait(s->stream) : 0;
        return tg__cu_done(code == 0 || tg__cu_fail_late(s, "cuStreamSynchronize", code));
    }
    p->refused = true;
    if (!fatal) return TG_LAUNCH_DECLINED;
    tg__put(&t, s->last); tg__put(&t, " failed with code "); tg__put_i64(&t, code);
    if (words) { tg__put(&t, ", "); tg__put(&t, words); }
    return TG_LAUNCH_FAILED;
}

/* ---- products by cuBLASLt ----
   It counts by columns, so that rows of ours are columns of its: c = a b is asked for as c^T = b^T a^T, with x for b^T and
   y for a^T. A matrix whose rows lie apart and whose numbers lie side by side is as it wants it, one whose columns do is
   "turned"; others it does not take. What it does not take or refuses, this file's kernels do. */

TG__PRIVATE bool tg__cu_blas_ready(tg__cu *s) {
#if defined(_WIN32)
    static const char *const files[] = { "cublasLt64_13.dll", "cublasLt64_12.dll", "cublasLt64_11.dll", NULL };
#else
    static const char *const files[] = { "libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so.11", "libcublasLt.so", NULL };
#endif
    return tg__cu_extra_ready(s, &s->blas, "cuBLASLt", "products", files, tg__cu_blas_names, &s->b);
}

/* A product as cuBLASLt is asked for it; batches that one step does not describe are several. */
typedef struct tg__cu_product {
    int64_t key[TG__CU_PRODUCT_KEY];
        /* n, m, k, batch; type and flags; steps from row to row of x, y, d; from batch to batch; alignments */
    int64_t loops, shape[8], lx[8], ly[8], ld[8];                     /* batches that are looped over, and their steps */
    char   *x, *y, *d, *bias;
    int     dims;
} tg__cu_product;
enum { TG__CU_PRODUCT_X = 256, TG__CU_PRODUCT_Y = 512, TG__CU_PRODUCT_BIAS = 1024 };      /* flags beside the type: x, y is turned; bias */

/* Does a matrix [rows, columns] lie so that cuBLASLt takes it? `turned` comes as what is preferred. */
TG__PRIVATE bool tg__cu_lies(int64_t rows, int64_t columns, int64_t row, int64_t column, bool *turned, int64_t *step) {
    const bool rows_do = (column == 1 || columns == 1) && (row >= columns || rows == 1),
        columns_do = (row == 1 || rows == 1) && (column >= rows || columns == 1);
    *turned = !rows_do;
    *step = rows_do ? (rows == 1 ? columns : row) : columns == 1 ? rows : column;
    return rows_do || columns_do;
}
/* The dimensions of batches become as few as may be; the largest is the one that the library walks, others are looped over.
   Where rows of all batches are rows of one matrix, they become that, with `fold`. */
TG__PRIVATE bool tg__cu_batches(tg__cu_product *p, const tg__cu_gemm *a, bool fold) {
    int64_t size[8], x[8], y[8], c[8], count = 1, rows = a->m;
    int d, n = 0, most = 0;
    for (d = a->ndim - 1; d >= 0; d--) {
        if (a->shape[d] == 1) continue;
        if (a->ba[d] < 0 || a->bb[d] < 0 || a->bc[d] <= 0) return false;
        /* the step of a single row may be any */
        if (n == 0 && fold && rows == 1 && a->ba[d] >= a->k && a->bc[d] >= a->n) { p->key[6] = a->ba[d]; p->key[7] = a->bc[d]; }
        if (n == 0 && fold && a->bb[d] == 0 && a->ba[d] == rows * p->key[6] && a->bc[d] == rows * p->key[7] &&
            (!a->bias || ((a->bias_rs == 0 || a->m == 1) && a->bbias[d] == 0)))
            rows *= a->shape[d];
        else if (n && a->bb[d] == x[n - 1] * size[n - 1] && a->ba[d] == y[n - 1] * size[n - 1] &&
            a->bc[d] == c[n - 1] * size[n - 1])
            size[n - 1] *= a->shape[d];
        else { size[n] = a->shape[d]; x[n] = a->bb[d]; y[n] = a->ba[d]; c[n++] = a->bc[d]; }
    }
    for (d = 1; d < n; d++) if (size[d] > size[most]) most = d;
    p->key[1] = rows; p->key[3] = n ? size[most] : 1;
    p->key[8] = n ? x[most] : 0; p->key[9] = n ? y[most] : 0; p->key[10] = n ? c[most] : 0;
    p->dims = 0;
    for (d = n - 1; d >= 0; d--) {
        if (d == most) continue;
        p->shape[p->dims] = size[d]; p->lx[p->dims] = x[d]; p->ly[p->dims] = y[d]; p->ld[p->dims++] = c[d];
        count *= size[d];
    }
    p->loops = count;
    return count <= 256;
}
/* The bits below which all of these are 0, 256 at most, as a power of two. */
TG__PRIVATE int64_t tg__cu_aligned(const char *p, int dims, const int64_t *steps, size_t size) {
    uint64_t all = (uint64_t)(uintptr_t)p;
    int64_t bits = 0;
    int d;
    for (d = 0; d < dims; d++) all |= (uint64_t)steps[d] * size;
    while (bits < 8 && !(all >> bits & 1)) bits++;
    return bits;
}
TG__PRIVATE bool tg__cu_product_of(tg__cu_product *p, const tg__cu_gemm *given) {
    const tg_dtype dtype = (tg_dtype)given->tc;
    const int type = dtype == TG_F32 ? TG__CU_BLAS_F32 : dtype == TG_F64 ? TG__CU_BLAS_F64 : dtype == TG_F16
        ? TG__CU_BLAS_F16 : TG__CU_BLAS_BF16;
    const size_t size = tg_dtype_size(dtype);
    tg__cu_gemm a = *given;
    bool x = false, y = false, d = false;
    memset(p, 0, sizeof *p);
    if (!tg_dtype_is_float(dtype) || a.ta != a.tc || a.tb != a.tc || a.k == 0) return false;
    if (!tg__cu_lies(a.m, a.n, a.c_rs, a.c_cs, &d, &p->key[7])) return false;
    if (d) {                                                           /* c^T = b^T a^T instead */
        a.a = given->b; a.b = given->a; a.m = given->n; a.n = given->m;
        a.a_rs = given->b_cs; a.a_cs = given->b_rs; a.b_rs = given->a_cs; a.b_cs = given->a_rs; a.c_rs = given->c_cs; a.c_cs = given->c_rs;
        a.bias_rs = given->bias_cs; a.bias_cs = given->bias_rs;
        memcpy(a.ba, given->bb, sizeof a.ba); memcpy(a.bb, given->ba, sizeof a.bb);
    }
    if (!tg__cu_lies(a.k, a.n, a.b_rs, a.b_cs, &x, &p->key[5]) || !tg__cu_lies(a.m, a.k, a.a_rs, a.a_cs, &y, &p->key[6])) return false;
    if (!tg__cu_batches(p, &a, !y)) return false;
    p->key[0] = a.n; p->key[2] = a.k;
    if (a.n > INT32_MAX || p->key[1] > INT32_MAX || a.k > INT32_MAX || p->key[3] > INT32_MAX) return false;
    p->x = a.b; p->y = a.a; p->d = a.c;
    p->key[4] = type | (x ? TG__CU_PRODUCT_X : 0) | (y ? TG__CU_PRODUCT_Y : 0);
    if (a.bias && (a.bias_rs == 0 || a.m == 1) && (a.bias_cs == 1 || a.n == 1)) {      /* a number for each of its rows */
        int i;
        bool same = true;
        for (i = 0; i < a.ndim; i++) same = same && (a.bbias[i] == 0 || a.shape[i] == 1);
        if (same) { p->bias = a.bias; p->key[4] |= TG__CU_PRODUCT_BIAS; }
    }
    p->key[11] = tg__cu_aligned(p->x, p->dims, p->lx, size) | tg__cu_aligned(p->y, p->dims, p->ly, size) << 4
        | tg__cu_aligned(p->d, p->dims, p->ld, size) << 8
        | tg__cu_aligned(p->bias, 0, NULL, size) << 12;
    return true;
}

/* The descriptors, and what the library recommends. False: a call failed. */
TG__PRIVATE bool tg__cu_product_plan(tg__cu *s, tg__cu_plan *p, const char *bias) {
    const int64_t *k = p->key.product;
    const int type = (int)(k[4] & 255), in = type == TG__CU_BLAS_F64 ? TG__CU_BLAS_IN_F64 : type == TG__CU_BLAS_F32 &&
        s->tf32 ? TG__CU_BLAS_IN_TF32 : TG__CU_BLAS_IN_F32;
    const bool x = (k[4] & TG__CU_PRODUCT_X) != 0, y = (k[4] & TG__CU_PRODUCT_Y) != 0;
    const int32_t turned = TG__CU_BLAS_TURNED, batch = (int32_t)k[3];
    const uint32_t epilogue = TG__CU_BLAS_BIAS, sums = TG__CU_BLAS_SUMS_COMPUTED;
    const uint64_t work = (uint64_t)(s->arch >= 90 ? 32 : 8) << 20;
    const void *const at = bias;
    void *wish = NULL;
    tg__cu_way way;
    int i, n = 0;
    bool ok = s->b.product_new(&p->operation, in, type == TG__CU_BLAS_F64 ? TG__CU_BLAS_F64 : TG__CU_BLAS_F32) == 0;
    ok = ok && s->b.layout_new(&p->layout[0], type, (uint64_t)(x ? k[2] : k[0]), (uint64_t)(x ? k[0] : k[2]), k[5]) == 0 &&
        s->b.layout_new(&p->layout[1], type, (uint64_t)(y ? k[1] : k[2]), (uint64_t)(y ? k[2] : k[1]), k[6]) == 0 &&
            s->b.layout_new(&p->layout[2], type, (uint64_t)k[0], (uint64_t)k[1], k[7]) == 0;
    for (i = 0; i < 3; i++)
        ok = ok && (batch == 1 || (s->b.layout_set(p->layout[i], TG__CU_BLAS_BATCH, &batch, sizeof batch) == 0 &&
            s->b.layout_set(p->layout[i], TG__CU_BLAS_BATCH_STEP, &k[8 + i], sizeof k[8]) == 0));
    ok = ok && (!x || s->b.product_set(p->operation, TG__CU_BLAS_TURN_A, &turned, sizeof turned) == 0) &&
        (!y || s->b.product_set(p->operation, TG__CU_BLAS_TURN_B, &turned, sizeof turned) == 0);
    if (bias)
        ok = ok && s->b.product_set(p->operation, TG__CU_BLAS_EPILOGUE, &epilogue, sizeof epilogue) == 0 &&
            s->b.product_set(p->operation, TG__CU_BLAS_BIAS_AT, &at, sizeof at) == 0;
    ok = ok && s->b.wish_new(&wish) == 0 && s->b.wish_set(wish, TG__CU_BLAS_WORK, &work, sizeof work) == 0;
    /* no sums in halves */
    if (type == TG__CU_BLAS_F16 || type == TG__CU_BLAS_BF16) ok = ok && s->b.wish_set(wish, TG__CU_BLAS_SUMS, &sums, sizeof sums) == 0;
    for (i = 0; i < 4; i++) {                                          /* a, b, c, d: c is d */
        const uint32_t aligned = 1u << (k[11] >> (4 * (i < 2 ? i : 2)) & 15);
        ok = ok && s->b.wish_set(wish, TG__CU_BLAS_ALIGNED + i, &aligned, sizeof aligned) == 0;
    }
    if (ok) {
        memset(&way, 0, sizeof way);
        p->refused = s->b.ask(s->blas.handle, p->operation, p->layout[0], p->layout[1], p->layout[2], p->layout[2],
            wish, 1, &way, &n) != 0 || n < 1 || way.state != 0 || way.work > work;
        memcpy(p->algorithm, way.algorithm, sizeof way.algorithm);
        p->work = way.work;
    }
    if (wish) (void)s->b.wish_free(wish);
    return ok;
}
/* add: to what stands there; kept: what stands there is nowhere else. */
TG__PRIVATE tg_launch tg__cu_multiply(tg__cu *s, tg__cu_plan *p, const tg__cu_product *a, bool add, bool kept) {
    static const float narrow[2] = { 0, 1 };
    static const double wide[2] = { 0, 1 };
    const int type = (int)(a->key[4] & 255), size = type == TG__CU_BLAS_F64 ? 8 : type == TG__CU_BLAS_F32 ? 4 : 2;
    const void *const alpha = size == 8 ? (const void *)&wide[1] : &narrow[1], *const beta = size == 8
        ? (const void *)&wide[add] : &narrow[add], *const bias = a->bias;
    tg__cu_address work;
    int64_t i, k, at[3];
    int d, code = 0;
    bool fatal;
    if (bias && s->b.product_set(p->operation, TG__CU_BLAS_BIAS_AT, &bias, sizeof bias) != 0) return TG_LAUNCH_DECLINED;
    if (!tg__cu_room(s, p->work, &work)) return TG_LAUNCH_DECLINED;
    for (i = 0; i < a->loops && !code; i++) {
        at[0] = at[1] = at[2] = 0;
        for (d = a->dims - 1, k = i; d >= 0; k /= a->shape[d--]) {
            at[0] += k % a->shape[d] * a->lx[d]; at[1] += k % a->shape[d] * a->ly[d];
            at[2] += k % a->shape[d] * a->ld[d];
        }
        s->last = "cublasLtMatmul";
        code = s->b.multiply(s->blas.handle, p->operation, alpha, a->x + at[0] * size, p->layout[0],
            a->y + at[1] * size, p->layout[1], beta, a->d + at[2] * size, p->layout[2], a->d + at[2] * size, p->layout[2],
            p->algorithm, (void *)(uintptr_t)work, p->work, s->stream);
    }
    if (work) tg__cu_give(s, work, p->work);
    fatal = code == TG__CU_BLAS_EXECUTION || code == TG__CU_BLAS_INTERNAL || (kept && i > 1);      /* what was added cannot be taken back */
    return tg__cu_plan_done(s, p, code, fatal, code == TG__CU_BLAS_EXECUTION ? "CUBLAS_STATUS_EXECUTION_FAILED"
        : code == TG__CU_BLAS_INTERNAL ? "CUBLAS_STATUS_INTERNAL_ERROR" : NULL);
}
/* c = bias, or with `add` c += bias: for one that the library does not add. It is walked over as c is, or stands for each channel of it. */
TG__PRIVATE bool tg__cu_bias(tg__cu *s, const tg_request *r, const tg_operand *o, void *const *base, bool add) {
    tg_request sum;
    tg_operand all[3];
    void *at[3];
    int d;
    all[0] = all[1] = o[0]; all[2] = o[3];
    at[0] = at[1] = base[0]; at[2] = base[3];
    all[2].ndim = o[0].ndim;
    for (d = 0; d < o[0].ndim; d++) {
        all[2].shape[d] = o[0].shape[d];
        if (r->family == TG_FAMILY_CONV) all[2].stride[d] = d == 1 ? o[3].stride[0] : 0;
    }
    if (!add) return tg__cu_copy_over(s, &all[0], at[0], &all[2], at[2]);
    memset(&sum, 0, sizeof sum);
    sum.family = TG_FAMILY_MAP; sum.kind = TG_ROW_tg_add; sum.n = 3; sum.compute = tg__compute_type(o[0].dtype);
    return tg__cu_map(s, &sum, all, at) == TG_LAUNCH_DONE;
}
TG__PRIVATE tg_launch tg__cu_blas_launch(tg__cu *s, const tg_request *r, const tg_operand *o, void *const *base, const tg__cu_gemm *gemm) {
    tg__cu_product a;
    tg__cu_plan *p;
    if (s->blas.tried && !s->blas.handle) return TG_LAUNCH_DECLINED;
    if (!tg__cu_product_of(&a, gemm) || !tg__cu_blas_ready(s)) return TG_LAUNCH_DECLINED;
    p = gemm->bias && !a.bias ? NULL : tg__cu_plan_for(s, false, a.key, a.bias);
    if (p && !p->refused) {
        const tg_launch done = tg__cu_multiply(s, p, &a, gemm->accumulate != 0, gemm->accumulate != 0);
        if (done != TG_LAUNCH_DECLINED) return done;
    }
    if (!gemm->bias || gemm->accumulate || o[3].ndim != o[0].ndim) return TG_LAUNCH_DECLINED;
    a.bias = NULL;
    a.key[4] &= ~(int64_t)TG__CU_PRODUCT_BIAS; a.key[11] &= 4095;
    p = tg__cu_plan_for(s, false, a.key, NULL);
    if (!p || p->refused) return TG_LAUNCH_DECLINED;
    if (!tg__cu_bias(s, r, o, base, false)) return TG_LAUNCH_FAILED;
    return tg__cu_multiply(s, p, &a, true, false);
}

TG__PRIVATE tg_launch tg__cu_gemm_launch(tg__cu *s, const tg_request *r, const tg_operand *o, void *const *base) {
    static const char *const names[] = { "gemm_tiles", "gemm_dots", "gemm_lanes" };
    const int d = o[0].ndim - 2;
    const bool floats = tg_dtype_is_float(o[1].dtype), in_blocks = tg__is_block(o[2].dtype);
    tg__cu_key k = TG__ZERO;
    tg__cu_gemm a;
    tg__cu_address partial = 0;
    size_t bytes = 0;
    int64_t tiles, blocks;
    int i, how;
    bool ok;
    memset(&a, 0, sizeof a);
    a.m = o[0].shape[d]; a.n = o[0].shape[d + 1]; a.k = o[1].shape[d + 1]; a.batch = 1; a.ndim = d;
    for (i = 0; i < d; i++) {
        a.batch *= o[0].shape[i]; a.shape[i] = o[0].shape[i];
        a.bc[i] = o[0].stride[i]; a.ba[i] = o[1].stride[i]; a.bb[i] = o[2].stride[i];
        if (o[3].use != TG_ABSENT) a.bbias[i] = o[3].stride[i];
    }
    if (a.batch == 0 || a.m == 0 || a.n == 0) return TG_LAUNCH_DONE;
    a.c_rs = o[0].stride[d]; a.c_cs = o[0].stride[d + 1]; a.a_rs = o[1].stride[d]; a.a_cs = o[1].stride[d + 1];
    a.b_rs = o[2].stride[d]; a.b_cs = o[2].stride[d + 1];
    a.c = tg__cu_at(o, base, 0); a.a = tg__cu_at(o, base, 1); a.b = tg__cu_at(o, base, 2); a.bias = tg__cu_at(o, base, 3);
    if (a.bias) { a.bias_rs = o[3].stride[d]; a.bias_cs = o[3].stride[d + 1]; }
    a.tc = (int32_t)o[0].dtype; a.ta = (int32_t)o[1].dtype;
    a.tb = (int32_t)o[2].dtype - (in_blocks ? TG__CU_CODE : 0); a.accumulate = r->kind == 1;
    {
        const tg_launch done = tg__cu_blas_launch(s, r, o, base, &a);
        if (done != TG_LAUNCH_DECLINED) return done;
    }
    how = floats && (tg__gemm_is_reduction(a.m, a.n, a.k) || (in_blocks && a.m <= TG__GEMM_FEW && a.k >= 64))
        ? (a.b_cs == 1 && a.n >= 32 ? 2 : 1) : 0;
    a.block = how ? TG__GEMM_RB : TG__GEMM_KB;
    a.blocks = tg__imax(1, tg__ceil_div(a.k, a.block));
    tiles = tg__ceil_div(a.m, 128) * tg__ceil_div(a.n, 64) * a.batch;
    /* blocks of k side by side, then added up in order */
    if (a.blocks > 1 && (how || (tiles < 2 * s->processors && a.batch * a.blocks * a.m * a.n <= 1 << 24))) {
        bytes = (size_t)(a.batch * a.blocks * a.m * a.n) * (floats && o[1].dtype != TG_F64 ? 4 : 8);
        partial = tg__cu_take(s, bytes);
        if (!partial) return TG_LAUNCH_FAILED;
        a.partial = (char *)(uintptr_t)partial;
    }
    k.group = TG__CU_GROUP_GEMM; k.type = !floats ? 0 : o[1].dtype == TG_F64 ? 64 : 32;
    k.dtypes = (uint32_t)a.tc | (uint32_t)a.ta << 4 | (uint32_t)a.tb << 8;
    blocks = how == 0 ? tiles * (partial ? a.blocks : 1) : how == 1 ? tg__ceil_div(a.batch * a.blocks * a.m * a.n, 4)
        : a.batch * a.blocks * a.m * tg__ceil_div(a.n, 32);
    ok = tg__cu_launch_kernel(s, &k, names[how], blocks, &a);
    if (partial) {
        ok = ok && tg__cu_launch_kernel(s, &k, "gemm_parts", tg__ceil_div(a.batch * a.m * a.n, 256), &a);
        tg__cu_give(s, partial, bytes);
    }
    return tg__cu_done(ok);
}

/* One of the three convolutions as an implicit product: what >>device tells of x, weight and y becomes the gathered operand,
   the filter and the result. False: it is not for this kernel, or its numbers are too large. */
TG__PRIVATE bool tg__cu_conv_of(tg__cu_conv *a, const tg_request *r, const tg_operand *o, void *const *base) {
    const signed char *const which = tg__conv_which[r->kind];          /* x, weight, y among the operands */
    const tg_operand *x = &o[which[0]], *f = &o[which[1]], *y = &o[which[2]], *in = r->kind == TG_CONV_BY_DATA ? y : x;
    const int64_t groups = r->whole[9], channels = f->shape[1], filters = f->shape[0] / groups;
    const int64_t *const spaces[3] = { y->shape + 2, x->shape + 2, f->shape + 2 };
    int d;
    if (r->whole[10]) return false;                                    /* clamped in one pass: so far the CPU alone is asked for that */
    memset(a, 0, sizeof *a);
    a->groups = groups; a->dtype = (int32_t)o[0].dtype;
    a->y = tg__cu_at(o, base, 0); a->in = tg__cu_at(o, base, which[r->kind == TG_CONV_BY_DATA ? 2 : 0]);
    a->filter = tg__cu_at(o, base, which[r->kind == TG_CONV_BY_WEIGHT ? 2 : 1]);
    if (r->kind != TG_CONV_BY_WEIGHT && o[3].use != TG_ABSENT) { a->bias = tg__cu_at(o, base, 3); a->bias_step = o[3].stride[0]; }
    for (d = 0; d < 3; d++) {
        const int64_t stride = r->whole[d], padding = r->whole[3 + d], dilation = r->whole[6 + d];
        a->m_size[1 + d] = spaces[r->kind][d]; a->k_size[1 + d] = r->kind == TG_CONV_BY_WEIGHT ? y->shape[2 + d] : f->shape[2 + d];
        if ((double)stride * (double)y->shape[2 + d] + (double)dilation * (double)f->shape[2 + d] + (double)padding
            + (double)x->shape[2 + d] > 1e9)
            return false;
        a->m_scale[d] = (int32_t)(r->kind == TG_CONV_RESULT ? stride : r->kind == TG_CONV_BY_DATA ? 1 : dilation);
        a->k_scale[d] = (int32_t)(r->kind == TG_CONV_RESULT ? dilation : r->kind == TG_CONV_BY_DATA ? -dilation : stride);
        a->shift[d] = (int32_t)(r->kind == TG_CONV_BY_DATA ? padding : -padding);
        a->divide[d] = (int32_t)(r->kind == TG_CONV_BY_DATA ? stride : 1);
        a->size[d] = (int32_t)in->shape[2 + d]; a->in_step[d] = in->stride[2 + d];
        a->f_k[1 + d] = r->kind == TG_CONV_BY_WEIGHT ? y->stride[2 + d] : f->stride[2 + d]; a->y_m[1 + d] = o[0].stride[2 + d];
    }
    a->m_size[0] = r->kind == TG_CONV_BY_WEIGHT ? channels : x->shape[0];
    a->k_size[0] = r->kind == TG_CONV_RESULT ? channels : r->kind == TG_CONV_BY_DATA ? filters : x->shape[0];
    a->n = r->kind == TG_CONV_BY_DATA ? channels : filters;
    a->m_step = in->stride[r->kind == TG_CONV_BY_WEIGHT]; a->k_step = in->stride[r->kind != TG_CONV_BY_WEIGHT];
    a->in_group = (r->kind == TG_CONV_BY_DATA ? filters : channels) * in->stride[1];
    if (r->kind == TG_CONV_BY_WEIGHT) {
        a->f_n = y->stride[1]; a->f_k[0] = y->stride[0]; a->y_n = f->stride[0]; a->y_m[0] = f->stride[1];
        a->f_group = filters * y->stride[1]; a->y_group = filters * f->stride[0];
    }
    else {
        a->f_n = f->stride[r->kind]; a->f_k[0] = f->stride[1 - r->kind]; a->y_n = o[0].stride[1]; a->y_m[0] = o[0].stride[0];
        a->f_group = filters * f->stride[0]; a->y_group = a->n * o[0].stride[1];
    }
    a->m = a->k = 1;
    for (d = 0; d < 4; d++) { a->m *= a->m_size[d]; a->k *= a->k_size[d]; }
    a->block = 512; a->blocks = tg__imax(1, tg__ceil_div(a->k, a->block));
    return true;
}
/* A strided convolution's gradient by its data is as many convolutions of step 1 as the stride has remainders: what lies at
   r, r + stride, ... meets every so-manieth tap of the filter, and none but these. Part number `at` of them; false: empty. */
TG__PRIVATE bool tg__cu_conv_part(tg__cu_conv *p, const tg__cu_conv *a, const tg_request *r, int64_t at) {
    const int64_t size = (int64_t)tg_dtype_size((tg_dtype)a->dtype);
    int d;
    *p = *a;
    p->m = p->m_size[0]; p->k = p->k_size[0];
    for (d = 2; d >= 0; d--) {
        const int64_t stride = r->whole[d], dilation = r->whole[6 + d], row = at % stride, from = row + r->whole[3 + d];
        int64_t first = 0, common = stride, rest = dilation, taps;
        at /= stride;
        while (rest) { const int64_t over = common % rest; common = rest; rest = over; }
        while (first < stride && (from - first * dilation) % stride != 0) first++;
        taps = first < stride && first < a->k_size[1 + d] ? tg__ceil_div(a->k_size[1 + d] - first, stride / common) : 0;
        if (!taps) first = 0;                                          /* there the gradient is 0, or the bias */
        p->m_size[1 + d] = row < a->m_size[1 + d] ? tg__ceil_div(a->m_size[1 + d] - row, stride) : 0;
        p->k_size[1 + d] = tg__imax(1, taps);
        p->k_scale[d] = -(int32_t)(dilation / common); p->divide[d] = 1;
        p->shift[d] = taps ? (int32_t)((from - first * dilation) / stride) : 0;
        p->filter += first * a->f_k[1 + d] * size; p->f_k[1 + d] = a->f_k[1 + d] * (stride / common);
        p->y += row * a->y_m[1 + d] * size; p->y_m[1 + d] = a->y_m[1 + d] * stride;
        p->m *= p->m_size[1 + d]; p->k *= taps;
    }
    p->blocks = tg__imax(1, tg__ceil_div(p->k, p->block));
    return p->m > 0;
}
TG__PRIVATE bool tg__cu_conv_is_narrow(const tg__cu_conv *a) { return a->n <= 4; }      /* depthwise: a tile would be empty */
TG__PRIVATE tg_launch tg__cu_conv_one_launch(tg__cu *s, tg__cu_conv *a) {
    tg__cu_key k = TG__ZERO;
    tg__cu_address partial = 0;
    size_t bytes = 0;
    int64_t blocks;
    const int64_t results = a->groups * a->m * a->n;
    const bool narrow = tg__cu_conv_is_narrow(a);
    bool ok;
    if (results == 0) return TG_LAUNCH_DONE;
    k.group = TG__CU_GROUP_CONV; k.type = tg__cu_type(tg__compute_type((tg_dtype)a->dtype)); k.dtypes = (uint64_t)a->dtype;
    blocks = narrow ? tg__ceil_div(results, 256) : tg__ceil_div(a->m, 128) * tg__ceil_div(a->n, 64) * a->groups;
    /* blocks of k side by side, then added up in order */
    if (a->blocks > 1 && blocks < 2 * s->processors && (double)results * (double)a->blocks <= 1 << 24) {
        bytes = (size_t)(results * a->blocks) * (k.type == 64 ? 8 : 4);
        partial = tg__cu_take(s, bytes);
        if (!partial) return TG_LAUNCH_FAILED;
        a->partial = (char *)(uintptr_t)partial;
        blocks = narrow ? tg__ceil_div(results * a->blocks, 256) : blocks * a->blocks;
    }
    ok = tg__cu_launch_kernel(s, &k, narrow ? "conv_narrow" : "conv_tiles", blocks, a);
    if (partial) {
        ok = ok && tg__cu_launch_kernel(s, &k, "conv_parts", tg__ceil_div(results, 256), a);
        tg__cu_give(s, partial, bytes);
    }
    return tg__cu_done(ok);
}

/* ---- convolutions by cuDNN ----
   Its functions have the operands in the order of a request. It takes images of 4 or 5 dimensions: a depth of 1 is left out.
   A filter must be packed, in the order of the images: one that lies otherwise is copied, into memory of the launch's own.
   What the library does not take or refuses, this file's kernels do; and what these are made for, depthwise ones. */

TG__PRIVATE bool tg__cu_dnn_ready(tg__cu *s) {
#if defined(_WIN32)
    static const char *const files[] = { "cudnn64_9.dll", "cudnn64_8.dll", NULL };
#else
    static const char *const files[] = { "libcudnn.so.9", "libcudnn.so.8", "libcudnn.so", NULL };
#endif
    return tg__cu_extra_ready(s, &s->dnn, "cuDNN", "convolutions", files, tg__cu_dnn_names, &s->n);
}
/* From within, rows are width, height, depth, channels, images; with channels within they come first. */
static const signed char tg__cu_conv_order[2][5] = { { 4, 3, 2, 1, 0 }, { 1, 4, 3, 2, 0 } };

/* Do the numbers lie as rows or with the `channels` within, perhaps as a part of something larger? For other orders
   the library has no fast kernels. */
TG__PRIVATE bool tg__cu_conv_lies(const tg_operand *o, int dims, int *size, int *step, bool *channels) {
    int64_t next = 1;                                                  /* the least that a step may be */
    int i;
    *channels = o->shape[1] > 1 && o->stride[1] == 1 && o->shape[2] * o->shape[3] * o->shape[4] > 1;
    for (i = 0; i < 5; i++) {
        const int d = tg__cu_conv_order[*channels][i], to = d < 2 ? d : d - 5 + dims;
        const int64_t count = o->shape[d], stride = count == 1 ? next : o->stride[d];
        if (d == 2 && dims == 4) continue;
        if (stride < next || (stride > next && next == 1) || stride > INT32_MAX || count > INT32_MAX / stride) return false;
        size[to] = (int)count; step[to] = (int)stride;
        next = stride * count;
    }
    return true;
}
/* `packed` becomes the filter as the library wants it. False: it is not for the library, which wants a result of the size that
   follows from the rest, and images that begin where 16 bytes do, for it may read so many at once; or it is depthwise. */
TG__PRIVATE bool tg__cu_conv_key_of(tg__cu_conv_key *k, tg_operand *packed, const tg_request *r, const tg_operand *o,
    void *const *base, const tg__cu_conv *own) {
    static const int types[] = { TG__CU_DNN_F32, TG__CU_DNN_F64, TG__CU_DNN_F16, TG__CU_DNN_BF16 };      /* by tg_dtype */
    const signed char *const which = tg__conv_which[r->kind];
    const tg_operand *x = &o[which[0]], *f = &o[which[1]], *y = &o[which[2]];
    int64_t next = 1;
    bool channels, whatever;
    int i;
    if (own->m == 0 || own->k == 0 || own->n == 0 || own->groups > INT32_MAX ||
        (own->groups > 1 && tg__cu_conv_is_narrow(own)))
        return false;
    if ((uintptr_t)tg__cu_at(o, base, which[0]) % 16 || (uintptr_t)tg__cu_at(o, base, which[2]) % 16) return false;
    memset(k, 0, sizeof *k);
    k->kind = r->kind; k->type = types[o[0].dtype]; k->groups = (int)own->groups;
    k->dims = x->shape[2] == 1 && y->shape[2] == 1 && f->shape[2] == 1 && r->whole[3] == 0 ? 4 : 5;
    for (i = 0; i < 3; i++) {
        const int64_t padding = r->whole[3 + i], dilation = r->whole[6 + i],
            last = x->shape[2 + i] + 2 * padding - (f->shape[2 + i] - 1) * dilation - 1;
        /* of one position it says nothing, but to the library that there is one */
        const int64_t stride = y->shape[2 + i] == 1 ? tg__imax(r->whole[i], last + 1) : r->whole[i];
        const int to = i - 5 + k->dims;
        if (last < 0 || last / stride + 1 != y->shape[2 + i]) return false;
        if (to >= 0) { k->stride[to] = (int)stride; k->padding[to] = (int)padding; k->dilation[to] = (int)dilation; }
    }
    if (!tg__cu_conv_lies(y, k->dims, k->size[which[2]], k->step[which[2]], &whatever) ||
        !tg__cu_conv_lies(x, k->dims, k->size[which[0]], k->step[which[0]], &channels))
        return false;
    k->format = channels ? TG__CU_DNN_CHANNELS : TG__CU_DNN_ROWS;
    *packed = *f; packed->offset = 0;
    for (i = 0; i < 5; i++) { const int d = tg__cu_conv_order[channels][i]; packed->stride[d] = next; next *= f->shape[d]; }
    return tg__cu_conv_lies(packed, k->dims, k->size[which[1]], k->step[which[1]], &whatever);
}
/* Must the filter be copied? */
TG__PRIVATE bool tg__cu_conv_moves(const tg_operand *f, const tg_operand *packed, const char *at) {
    int d;
    for (d = 0; d < 5; d++) if (f->shape[d] > 1 && f->stride[d] != packed->stride[d]) return true;
    return (uintptr_t)at % 16 != 0;
}
TG__PRIVATE void tg__cu_dnn_refused(tg__cu *s, int code) {
    char line[300];
    tg__text t = tg__text_over(line, sizeof line);
    if (s->dnn_told) return;
    s->dnn_told = true;
    tg__put(&t, "device 'cuda' makes the convolutions that cuDNN refuses by its own kernels; of the first it says: ");
    tg__put(&t, code ? s->n.words(code) : "no way with the same bits each time and little memory");
    tg__log(s->tg, TG_LOG_INFO, line);
}
/* The descriptors, and the first way that the library recommends which gives the same bits each time and wants no more memory than
   `most`. Always true: what cannot be had is refused for good, which the log is told once. */
TG__PRIVATE bool tg__cu_conv_plan(tg__cu *s, tg__cu_plan *p) {
    const tg__cu_conv_key *k = &p->key.conv;
    const bool exact = k->type == TG__CU_DNN_F32 && !s->tf32;
    const int filter = tg__conv_which[k->kind][1], maths = exact ? TG__CU_DNN_FMA : k->type == TG__CU_DNN_F16 ||
        k->type == TG__CU_DNN_BF16 ? TG__CU_DNN_MATRIX : TG__CU_DNN_DEFAULT;
    const size_t most = (size_t)256 << 20;
    void **const l = p->layout;
    tg__cu_algorithm found[16];
    int i, n = 0, code = s->n.conv_new(&p->operation);
    for (i = 0; i < 3 && !code; i++) {
        code = i == filter ? s->n.filter_new(&l[i]) : s->n.tensor_new(&l[i]);
        if (!code)
            code = i == filter ? s->n.filter_set(l[i], k->type, k->format, k->dims, k->size[i])
                : s->n.tensor_set(l[i], k->type, k->dims, k->size[i], k->step[i]);
    }
    if (!code)
        code = s->n.conv_set(p->operation, k->dims - 2, k->padding, k->stride, k->dilation, TG__CU_DNN_CORRELATION,
            k->type == TG__CU_DNN_F64 ? TG__CU_DNN_F64 : TG__CU_DNN_F32);
    if (!code) code = s->n.conv_groups(p->operation, k->groups);
    if (!code) code = s->n.conv_math(p->operation, maths);
    if (!code) code = s->n.ask[k->kind](s->dnn.handle, l[1], l[2], p->operation, l[0], 16, &n, found);
    if (code) n = 0;
    p->refused = true;
    for (i = 0; i < n && p->refused; i++) {
        if (found[i].state || found[i].deterministic != 1 || found[i].work > most) continue;
        /* an algorithm is meant with its maths; but f32 stays f32 */
        code = s->n.conv_math(p->operation, exact ? maths : found[i].maths);
        if (!code) code = s->n.room[k->kind](s->dnn.handle, l[1], l[2], p->operation, l[0], found[i].algorithm, &p->work);
        p->algorithm[0] = (uint64_t)found[i].algorithm; p->refused = code != 0 || p->work > most;
    }
    if (p->refused) tg__cu_dnn_refused(s, code);
    return true;
}
TG__PRIVATE tg_launch tg__cu_dnn_launch(tg__cu *s, const tg_request *r, const tg_operand *o, void *const *base, const tg__cu_conv *own) {
    static const char *const names[] = { TG__CU_THREE("cudnnConvolution", "") };
    static const float narrow[2] = { 0, 1 };
    static const double wide[2] = { 0, 1 };
    const void *const alpha = o[0].dtype == TG_F64 ? (const void *)&wide[1] : &narrow[1],
        *const beta = o[0].dtype == TG_F64 ? (const void *)&wide[0] : &narrow[0];
    const int f = tg__conv_which[r->kind][1];
    const size_t bytes = (size_t)tg__operand_numel(&o[f]) * tg_dtype_size(o[f].dtype);
    char *at[3];
    tg_operand packed;
    tg__cu_conv_key k;
    tg__cu_plan *p;
    tg__cu_address work, copy = 0;
    int i, code = 0;
    bool fatal, ok = true;
    if ((s->dnn.tried && !s->dnn.handle) || !tg__cu_conv_key_of(&k, &packed, r, o, base, own) || !tg__cu_dnn_ready(s))
        return TG_LAUNCH_DECLINED;
    p = tg__cu_plan_for(s, true, &k, NULL);
    if (!p || p->refused || !tg__cu_room(s, p->work, &work)) return TG_LAUNCH_DECLINED;
    for (i = 0; i < 3; i++) at[i] = tg__cu_at(o, base, i);
    if (tg__cu_conv_moves(&o[f], &packed, at[f])) {
        if (!tg__cu_room(s, bytes, &copy)) { if (work) tg__cu_give(s, work, p->work); return TG_LAUNCH_DECLINED; }
        at[f] = (char *)(uintptr_t)copy;
        ok = f == 0 || tg__cu_copy_over(s, &packed, at[f], &o[f], base[f]);
    }
    if (ok) {
        s->last = "cudnnSetStream";
        code = s->n.stream(s->dnn.handle, s->stream);
        if (!code) s->last = names[k.kind];
        if (!code)
            code = s->n.convolve[k.kind](s->dnn.handle, alpha, p->layout[1], at[1], p->layout[2], at[2], p->operation,
                (int)p->algorithm[0], (void *)(uintptr_t)work, p->work, beta, p->layout[0], at[0]);
    }
    if (ok && !code && copy && f == 0) ok = tg__cu_copy_over(s, &o[0], base[0], &packed, at[0]);
    if (ok && !code && own->bias) ok = tg__cu_bias(s, r, o, base, true);
    if (work) tg__cu_give(s, work, p->work);
    if (copy) tg__cu_give(s, copy, bytes);
    if (!ok) return TG_LAUNCH_FAILED;
    fatal = code >= TG__CU_DNN_EXECUTION || code == TG__CU_DNN_EXECUTION_8;
    if (code && !fatal) tg__cu_dnn_refused(s, code);
    return tg__cu_plan_done(s, p, code, fatal, code ? s->n.words(code) : NULL);
}
TG__PRIVATE tg_launch tg__cu_conv_launch(tg__cu *s, const tg_request *r, const tg_operand *o, void *const *base) {
    /* more than 64 bits of them perhaps */
    const double parts = r->kind == TG_CONV_BY_DATA ? (double)r->whole[0] * (double)r->whole[1] * (double)r->whole[2] : 1;
    tg_launch done;
    tg__cu_conv a, part;
    int64_t i;
    if (!tg__cu_conv_of(&a, r, o, base)) return TG_LAUNCH_DECLINED;
    done = tg__cu_dnn_launch(s, r, o, base, &a);
    if (done != TG_LAUNCH_DECLINED) return done;
    done = TG_LAUNCH_DONE;
    if (parts == 1 || parts > 64) return tg__cu_conv_one_launch(s, &a);      /* so many: one launch, which multiplies zeros too */
    for (i = 0; i < (int64_t)parts && done == TG_LAUNCH_DONE; i++)
        if (tg__cu_conv_part(&part, &a, r, i)) done = tg__cu_conv_one_launch(s, &part);
    return done;
}

/* Launches what waits. */
TG__PRIVATE bool tg__cu_steps_go(tg__cu *s) {
    bool ok = true;
    int i, k;
    for (i = 0; i < TG__CU_WAITING; i++) {
        tg__cu_steps *a = &s->steps[i].a;
        int64_t blocks = 0;
        for (k = 0; k < a->count; k++) blocks += a->each[k].blocks;
        ok = ok && (!a->count || tg__cu_launch_kernel(s, &s->steps[i].key, "steps", blocks, a));
        a->count = 0;
    }
    return ok;
}
#ifndef TENSORGRAD_NO_OPTIM
/* Is it of the same rule, types and numbers as those that wait? */
TG__PRIVATE bool tg__cu_step_fits(const tg__cu *s, int i, const tg__cu_key *key, const tg__cu_optim *step) {
    const tg__cu_steps *a = &s->steps[i].a;
    int k;
    if (!a->count || !tg__cu_same(&s->steps[i].key, key) || memcmp(a->number, step->number, sizeof a->number) != 0 ||
        memcmp(a->whole, step->whole, sizeof a->whole) != 0)
        return false;
    for (k = 0; k < 6 && !a->each[0].p[k] == !step->o[k].p; k++) { }
    return k == 6;
}
/* A packed parameter waits with those that it fits, of which there may be some kinds (groups of an optimiser). */
TG__PRIVATE bool tg__cu_step_add(tg__cu *s, const tg__cu_key *key, const tg__cu_optim *step) {
    tg__cu_stepped *e;
    tg__cu_steps *a;
    int at, k;
    if (step->n > (int64_t)TG__CU_STEP_PIECE << 30) return tg__cu_fail(s, "more blocks than a launch has", 0);
    for (at = 0; at < TG__CU_WAITING && !tg__cu_step_fits(s, at, key, step); at++) { }
    if (at == TG__CU_WAITING) for (at = 0; at < TG__CU_WAITING && s->steps[at].a.count; at++) { }
    if (at == TG__CU_WAITING) { if (!tg__cu_steps_go(s)) return false; at = 0; }
    a = &s->steps[at].a;
    if (!a->count) {
        s->steps[at].key = *key;
        a->kind = step->kind;
        for (k = 0; k < 6; k++) a->dtype[k] = step->o[k].dtype;
        memcpy(a->number, step->number, sizeof a->number); memcpy(a->whole, step->whole, sizeof a->whole);
    }
    e = &a->each[a->count++];
    e->n = step->n; e->blocks = (int32_t)tg__ceil_div(step->n, TG__CU_STEP_PIECE); e->wide = 1;
    for (k = 0; k < 6; k++) { e->p[k] = step->o[k].p; if ((uintptr_t)e->p[k] % 16) e->wide = 0; }
    return (a->count < TG__CU_STEPS && !s->synchronise) || tg__cu_steps_go(s);
}
/* One parameter's step, or what a gradient adds to a norm: >>impl-optim tells the operands. */
TG__PRIVATE tg_launch tg__cu_optim_launch(tg__cu *s, const tg_request *r, const tg_operand *o, void *const *base) {
    const bool norm = r->kind == TG_STEP_NORM;
    const int from = norm ? TG__OPTIM_G : TG__OPTIM_P;
    const tg_operand *whole = r->n > TG__OPTIM_G ? &o[TG__OPTIM_G] : &o[TG__OPTIM_P];
    tg__cu_key k = TG__ZERO;
    tg__cu_optim a;
    tg__loop l;
    tg__cu_address partial;
    int i, d;
    bool ok;
    memset(&a, 0, sizeof a);
    a.n = tg__operand_numel(whole); a.kind = r->kind; a.ndim = 1; a.small = a.n < 0x7fffffff; a.shape[0] = a.n;
    for (i = 0; i < 6; i++) {
        if (i >= r->n || o[i].use == TG_ABSENT) continue;
        tg__cu_view_of(&a.o[i], &o[i], base[i]);
        a.o[i].stride[0] = 1;
        if (!norm || i == TG__OPTIM_G) k.dtypes |= (uint64_t)o[i].dtype << (4 * i);
    }
    memcpy(a.number, r->number, sizeof a.number);
    memcpy(a.whole, r->whole, sizeof a.whole);
    if (r->n > TG__OPTIM_ROWS && o[TG__OPTIM_ROWS].use != TG_ABSENT) {
        a.rows = (int64_t *)(void *)tg__cu_at(o, base, TG__OPTIM_ROWS);
        a.row = whole->shape[0] ? a.n / whole->shape[0] : 0;
    } else if (a.n) {
        tg__loop_make(&l, &o[from], (int)tg__imin(r->n, TG__OPTIM_G + 1) - from);
        a.ndim = l.ndim;
        for (d = 0; d < l.ndim; d++) {
            a.shape[d] = l.shape[d];
            for (i = from; i < r->n && i <= TG__OPTIM_G; i++) a.o[i].stride[d] = l.stride[i - from][d];
        }
    }
    k.group = TG__CU_GROUP_OPTIM; k.kind = r->kind; k.type = tg__cu_type(r->compute);
    if (!norm && a.n) {
        for (i = 0; i < 6 && !a.rows && a.ndim == 1 && (!a.o[i].p || a.n == 1 || a.o[i].stride[0] == 1); i++) { }
        if (!(i == 6 ? tg__cu_step_add(s, &k, &a) : tg__cu_launch_kernel(s, &k, "step", tg__cu_blocks(s, a.n), &a)))
            return TG_LAUNCH_FAILED;
    }
    if (!norm) return tg__cu_done(r->part || tg__cu_steps_go(s));
    partial = tg__cu_take(s, (size_t)(tg__ceil_div(a.n, 512) + 1) * 8);
    if (!partial) return TG_LAUNCH_FAILED;
    a.partial = (double *)(uintptr_t)partial;
    ok = tg__cu_launch_kernel(s, &k, "powers", tg__ceil_div(a.n, 2048), &a) &&
        tg__cu_launch_kernel(s, &k, "powers_sum", 1, &a);
    tg__cu_give(s, partial, (size_t)(tg__ceil_div(a.n, 512) + 1) * 8);
    return tg__cu_done(ok);
}
#endif

TG__PRIVATE tg_launch tg__cu_launch(void *user, void *stream, const tg_request *r, const tg_operand *o, void *const *base) {
    tg__cu *s = (tg__cu *)user;
    tg_launch result = TG_LAUNCH_DECLINED;
    int i;
    (void)stream;
    /* blocks */
    for (i = 0; i < r->n; i++)
        if (o[i].use != TG_ABSENT && o[i].dtype >= TG_DTYPES && r->family != TG_FAMILY_COPY && r->family != TG_FAMILY_GEMM)
            return TG_LAUNCH_DECLINED;
    for (i = 0; i < r->n; i++)
        if (o[i].immediate && r->family != TG_FAMILY_MAP && r->family != TG_FAMILY_COPY && r->family != TG_FAMILY_RANDOM)
            return TG_LAUNCH_DECLINED;
    if (!(r->family == TG_FAMILY_OPTIM && r->kind != TG_STEP_NORM ? tg__cu_enter_step(s) : tg__cu_enter(s))) return TG_LAUNCH_FAILED;
    if (!tg__cu_await_operands(s, r, o, base)) { tg__cu_leave(s); return TG_LAUNCH_FAILED; }
    switch (r->family) {
        case TG_FAMILY_MAP: result = tg__cu_map(s, r, o, base); break;
        case TG_FAMILY_COPY: result = tg__cu_copy(s, r, o, base); break;
        case TG_FAMILY_FILL: result = tg__cu_fill(s, r, o, base); break;
        case TG_FAMILY_RANDOM: result = tg__cu_random(s, r, o, base); break;
        case TG_FAMILY_REDUCE: result = tg__cu_reduce_launch(s, r, o, base); break;
        case TG_FAMILY_SOFTMAX: result = tg__cu_softmax(s, r, o, base); break;
        case TG_FAMILY_ENTROPY: result = tg__cu_entropy(s, r, o, base); break;
        case TG_FAMILY_INDEX: result = tg__cu_index_launch(s, r, o, base); break;
#ifndef TENSORGRAD_NO_OPTIM
        case TG_FAMILY_OPTIM: result = tg__cu_optim_launch(s, r, o, base); break;
#endif
        case TG_FAMILY_GEMM: result = tg__cu_gemm_launch(s, r, o, base); break;
        case TG_FAMILY_NORM: result = tg__cu_norm(s, r, o, base); break;
        case TG_FAMILY_RESAMPLE: result = tg__cu_resample(s, r, o, base); break;
        case TG_FAMILY_RNN: result = tg__cu_rnn(s, r, o, base); break;
        case TG_FAMILY_ATTENTION: result = tg__cu_attention(s, r, o, base); break;
        case TG_FAMILY_CONV: result = tg__cu_conv_launch(s, r, o, base); break;
        case TG_FAMILY_POOL: result = tg__cu_pool(s, r, o, base); break;
        case TG_FAMILY_SCAN: result = tg__cu_scan(s, r, o, base); break;
        case TG_FAMILY_SORT: result = tg__cu_sort(s, r, o, base); break;
        case TG_FAMILY_SEARCH: result = tg__cu_search_launch(s, r, o, base); break;
        default: break;
    }
    tg__cu_leave(s);
    return result;
}

/* ======================================================================================
   >>cuda-open    from the libraries to a device of the context
   ====================================================================================== */

TG__PRIVATE void tg__cu_close(void *user, void *stream) {
    tg__cu *s = (tg__cu *)user;
    tg_ctx *tg = s->tg;
    int i;
    (void)stream;
    if (s->retained && tg__cu_enter(s)) {
        if (s->stream) (void)s->d.wait(s->stream);
        tg__cu_unpin_all(s);
        tg__cu_trim_in(s);
        if (s->flag) (void)s->d.release(s->flag);
        for (i = 0; i < TG__CU_HASH; i++) {
            tg__cu_program *p;
            for (p = s->programs[i]; p; p = p->next) if (p->owner) (void)s->d.module_free(p->module);
        }
        tg__cu_plans_free(s);
        if (s->blas.handle) (void)s->b.destroy(s->blas.handle);
        if (s->dnn.handle) (void)s->n.destroy(s->dnn.handle);
        if (s->before) (void)s->d.event_free(s->before);
        if (s->copies) (void)s->d.stream_free(s->copies);
        if (s->stream && !s->borrowed) (void)s->d.stream_free(s->stream);
        tg__cu_leave(s);
    }
    for (i = 0; i < TG__CU_HASH; i++) while (s->programs[i]) {
        tg__cu_program *p = s->programs[i];
        s->programs[i] = p->next;
        tg__mem_put(tg, p, sizeof *p + strlen(p->name) + 1);
    }
    if (s->retained) (void)s->d.let_go(s->device);
    for (i = 0; i < TG__CU_PLANS; i++) while (s->plans[i]) {           /* where the context could not be entered */
        tg__cu_plan *p = s->plans[i];
        s->plans[i] = p->next;
        tg__mem_put(tg, p, sizeof *p);
    }
    tg__cu_library_close(s->blas.library); tg__cu_library_close(s->dnn.library); tg__cu_library_close(s->compiler);
    tg__cu_library_close(s->builtins); tg__cu_library_close(s->driver);
    if (s->cache) tg__mem_put(tg, s->cache, strlen(s->cache) + 1);
    if (s->folder) tg__mem_put(tg, s->folder, strlen(s->folder) + 1);
    tg__mem_put(tg, s, sizeof *s);
}

/* NVRTC looks for its builtins by itself, and often fails: they are loaded beforehand, from beside it. */
TG__PRIVATE void tg__cu_load_builtins(tg__cu *s, const char *path) {
    int major = 0, minor = 0;
    char beside[560];
    tg__text t = tg__text_over(beside, sizeof beside);
    const char *slash = strrchr(path, '/');
    if (s->c.version(&major, &minor) != 0) return;
#if defined(_WIN32)
    if (!slash) slash = strrchr(path, '\\');
#endif
    for (; slash && path <= slash; path++) tg__put_char(&t, *path);
#if defined(_WIN32)
    tg__put(&t, "nvrtc-builtins64_"); tg__put_i64(&t, major); tg__put_i64(&t, minor); tg__put(&t, ".dll");
#else
    tg__put(&t, "libnvrtc-builtins.so."); tg__put_i64(&t, major); tg__put_char(&t, '.'); tg__put_i64(&t, minor);
#endif
    s->versions[0] = major; s->versions[1] = minor;
    s->builtins = tg__cu_library(beside, true);
}
TG__PRIVATE bool tg__cu_load(tg__cu *s, const char *folder) {
#if defined(_WIN32)
    static const char *const drivers[] = { "nvcuda.dll", NULL }, *const compilers[] = { "nvrtc64_130_0.dll",
        "nvrtc64_120_0.dll", "nvrtc64_112_0.dll", NULL };
#else
    static const char *const drivers[] = { "libcuda.so.1", "libcuda.so", NULL },
        *const compilers[] = { "libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2", "libnvrtc.so", NULL };
#endif
    char path[512];
    s->driver = tg__cu_need(s, folder, "the driver's library", drivers, NULL);
    if (!s->driver || !tg__cu_functions(s, s->driver, "the driver", tg__cu_driver_names, &s->d)) return false;
    if (s->kept_alone) return s->cache != NULL || tg__cu_fail(s, "without NVRTC programs come from .cache, which is not given", 0);
    s->compiler = tg__cu_need(s, folder, "NVRTC, the compiler,", compilers, path);
    if (!s->compiler || !tg__cu_functions(s, s->compiler, "NVRTC", tg__cu_compiler_names, &s->c)) return false;
    tg__cu_load_builtins(s, path);
    return true;
}
/* Which architecture NVRTC compiles for: the GPU's own, as what is kept has it, or the newest that it knows, whose
   PTX the driver compiles. */
TG__PRIVATE bool tg__cu_choose(tg__cu *s, int own) {
    int known[128], n = 0, i;
    s->arch = s->kept_alone ? own : 0;
    if (s->kept_alone) { s->binary = true; return true; }
    if (s->c.archs_count(&n) != 0 || n < 1 || n > 128 || s->c.archs(known) != 0)
        return tg__cu_fail(s, "NVRTC does not tell its architectures", 0);
    for (i = 0; i < n; i++) if (known[i] <= own && known[i] > s->arch) s->arch = known[i];
    s->binary = s->arch == own;
    return s->arch >= 75 || tg__cu_fail(s, "NVRTC knows no architecture that this GPU has", 0);
}
TG__PRIVATE bool tg__cu_start(tg__cu *s, int index) {
    int n = 0, major = 0, minor = 0;
    const uint32_t none = 0;
    bool ok;
    if (!TG__CU_OK(s, init(0), "cuInit") || !TG__CU_OK(s, version(&s->versions[2]), "cuDriverGetVersion") ||
        !TG__CU_OK(s, count(&n), "cuDeviceGetCount"))
        return false;
    if (index < 0 || index >= n) {
        tg__text t = tg__text_over(s->why, sizeof s->why);
        tg__put(&t, "there is no GPU number "); tg__put_i64(&t, index); tg__put(&t, " of "); tg__put_i64(&t, n);
        return false;
    }
    if (!TG__CU_OK(s, device(&s->device, index), "cuDeviceGet") ||
        !TG__CU_OK(s, name(s->name, (int)sizeof s->name, s->device), "cuDeviceGetName") ||
        !TG__CU_OK(s, attribute(&major, 75, s->device), "cuDeviceGetAttribute") ||
            !TG__CU_OK(s, attribute(&minor, 76, s->device), "cuDeviceGetAttribute") ||
        !TG__CU_OK(s, attribute(&s->processors, 16, s->device), "cuDeviceGetAttribute")) return false;
    if (major * 10 + minor < 75) return tg__cu_fail(s, "the GPU's compute capability is below 7.5", 0);
    if (!tg__cu_choose(s, major * 10 + minor) || !TG__CU_OK(s, retain(&s->context, s->device), "cuDevicePrimaryCtxRetain")) return false;
    s->retained = true;
    s->tf32 = s->tf32 && major >= 8;                                   /* there is none before */
    if (!tg__cu_enter(s)) return false;
    ok = (s->borrowed || TG__CU_OK(s, stream_new(&s->stream, 1), "cuStreamCreate")) && TG__CU_OK(s, alloc(&s->flag, 256), "cuMemAlloc") &&
        TG__CU_OK(s, in(s->flag, &none, sizeof none, s->stream), "cuMemcpyHtoDAsync");
    tg__cu_leave(s);
    return ok;
}

TG_API bool tg_cuda_open_from(const tg_cuda_open_args *a) {
    tg_ctx *tg = a ? a->tg : NULL;
    tg_backend b;
    tg__cu *s;
    bool ok;
    if (a) tg = tg__at_ctx(a->tg, a->at.file, a->at.line);
    if (!tg__gate(tg)) return false;
    tg->where = "cuda_open";
    if (tg->devices[TG_CUDA].open) return tg__fail_op(tg, TG_ERROR_VALUE, "it is open already");
    s = (tg__cu *)tg__mem_get(tg, sizeof *s);
    if (!s) return false;
    memset(s, 0, sizeof *s);
    s->tg = tg; s->limit = a->memory_limit; s->synchronise = a->synchronise;
    s->tf32 = a->tf32;
    s->stream = a->stream; s->borrowed = a->stream != NULL;
    s->pinned_limit = tg->config.no_cache ? 0 : a->pinned_limit ? a->pinned_limit : (size_t)64 << 20;
    s->blas.tried = a->no_cublas || tg->config.strict;
    s->dnn.tried = a->no_cudnn || tg->config.strict;
    s->kept_alone = a->no_nvrtc;
    if (a->cache) s->cache = tg__copy_text(tg, a->cache);
    if (a->folder) s->folder = tg__copy_text(tg, a->folder);
    ok = (!a->cache || s->cache) && (!a->folder || s->folder) && tg__cu_load(s, a->folder) && tg__cu_start(s, a->index);
    if (!ok) {
        (void)tg__fail_op(tg, TG_ERROR_UNSUPPORTED, "no CUDA: %s", s->why);
        tg__cu_close(s, NULL);
        return false;
    }
    memset(&b, 0, sizeof b);
    b.name = "cuda"; b.user = s; b.close = tg__cu_close; b.alloc = tg__cu_alloc; b.release = tg__cu_release;
    b.copy_in = tg__cu_copy_in; b.copy_out = tg__cu_copy_out;
    b.launch = tg__cu_launch; b.reason = tg__cu_reason; b.memory = tg__cu_memory; b.trim = tg__cu_trim;
    if (!tg_device_register(tg, TG_CUDA, &b)) { tg__cu_close(s, NULL); return false; }
    return true;
}
/* NULL: it is not open, or TG_CUDA is somebody else's. */
TG__PRIVATE tg__cu *tg__cu_of(tg_ctx *tg) {
    return tg && tg->devices[TG_CUDA].open && tg->devices[TG_CUDA].backend.launch == tg__cu_launch
        ? (tg__cu *)tg->devices[TG_CUDA].backend.user : NULL;
}
TG_API const char *tg_cuda_name(tg_ctx *tg) { const tg__cu *s = tg__cu_of(tg); return s ? s->name : NULL; }

/* ---- the host's own CUDA code ---- */
TG__PRIVATE tg__cu *tg__cu_asked(tg_ctx *tg, const char *name) {
    tg__cu *s;
    if (!tg__gate(tg)) return NULL;
    tg__name(tg, name);
    s = tg__cu_of(tg);
    if (!s) (void)tg__fail(tg, TG__E_DEVICE, (int)TG_CUDA);
    return s;
}
/* The stream waits for all copies; with `wait` the host waits for the stream. */
TG__PRIVATE bool tg__cu_settle(tg__cu *s, bool wait) {
    bool flagged = false, ok;
    if (!tg__cu_enter(s)) return false;
    ok = tg__cu_await(s, s->comings);
    if (ok && wait && s->doubtful) ok = tg__cu_flagged(s, &flagged);
    if (flagged) ok = tg__cu_fail(s, tg__cu_out_of_range, 0);
    if (ok && wait) { const int code = s->d.wait(s->stream); ok = code == 0 || tg__cu_fail_late(s, "cuStreamSynchronize", code); }
    tg__cu_leave(s);
    return ok || tg__fail_op(s->tg, TG_ERROR_UNSUPPORTED, "device 'cuda' failed: %s", s->why);
}
/* Does the address lie in memory of this GPU? A wrong one would end the context at the first launch. */
TG__PRIVATE bool tg__cu_is_ours(tg__cu *s, const void *data) {
    const tg__cu_address p = (tg__cu_address)(uintptr_t)data;
    unsigned type = 0;
    int where = -1;
    bool ok;
    if (!tg__cu_enter(s)) return false;
    ok = TG__CU_OK(s, pointer(&type, 2, p), "cuPointerGetAttribute") && TG__CU_OK(s, pointer(&where, 9, p), "cuPointerGetAttribute");
    tg__cu_leave(s);
    if (!ok) return false;
    return ((type == 2 || type == 4) && where == s->device) || tg__cu_fail(s, "it is the host's or another GPU's", 0);      /* 4: managed */
}
TG_API tg_tensor *(tg_cuda_wrap)(tg_ctx *tg, int ndim, const int64_t *shape, tg_dtype dtype, void *data) {
    tg__cu *s = tg__cu_asked(tg, "cuda_wrap");
    tg_tensor *t;
    if (!s) return NULL;
    t = (tg_wrap)(tg, ndim, shape, dtype, data);
    if (!t) return NULL;
    t->storage->device = t->device = TG_CUDA;
    t->data = NULL;
    t->made_by = "cuda_wrap";
    if (t->numel == 0 || tg__cu_is_ours(s, data)) return t;
    tg__name(tg, "cuda_wrap");
    (void)tg__fail_op(tg, TG_ERROR_VALUE, "data is no memory of this GPU: %s", s->why);
    return NULL;
}
TG_API void *(tg_cuda_data)(tg_tensor *t) {
    tg_ctx *tg = t ? tg__start_blocks(t, "cuda_data") : NULL;
    tg__cu *s = tg ? tg__cu_asked(tg, "cuda_data") : NULL;
    if (!s || !tg__whole(tg, t)) return NULL;
    if (t->device != TG_CUDA) { (void)tg__fail(tg, TG__E_DEVICES, t, (int)t->device, (int)TG_CUDA); return NULL; }
    return tg__cu_settle(s, false) ? t->place : NULL;
}
TG_API void *(tg_cuda_stream)(tg_ctx *tg) {
    tg__cu *s = tg__cu_asked(tg, "cuda_stream");
    return s && tg__cu_settle(s, false) ? s->stream : NULL;
}
TG_API bool (tg_cuda_wait)(tg_ctx *tg) {
    tg__cu *s = tg__cu_asked(tg, "cuda_wait");
    return s && tg__cu_settle(s, true);
}

#if defined(__clang__) || defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
#ifdef __cplusplus
} /* extern "C" */
#endif
#endif /* TENSORGRAD_IMPLEMENTATION */
#else /* defined(TG__CU_KERNELS) */
/* ==========================================================================================================
   THE KERNELS, written once. tools/cuda_text.c writes them, with the words and the maths of tensorgrad.h that they
   stand on, a second time at the end of this file, as text for NVRTC. The tests give that text to a host's compiler
   and to nvcc as well: blocks run one after another, the threads of one as loops between barriers.
   A name in braces opens what goes into the text, an end in braces closes it.
   ========================================================================================================== */

/* {text: launch} */
/* ======================================================================================
   >>cuda-launch    the words of a launch, for a device and for a host
   A kernel's threads are a loop, TG__CU_THREADS(t), that ends before each TG__CU_BARRIER; what a thread keeps beyond
   one is TG__CU_OWN and read as TG__CU_MY(name, t). Everything outside of such loops is the same for all threads.
   ====================================================================================== */
#if defined(__CUDACC_RTC__)
typedef signed char int8_t;
typedef unsigned char uint8_t;
typedef short int16_t;
typedef unsigned short uint16_t;
typedef int int32_t;
typedef unsigned int uint32_t;
typedef long long int64_t;
typedef unsigned long long uint64_t;
#define INT64_MIN (-9223372036854775807LL - 1)
#else
#include <stdint.h>
#include <stdbool.h>
#include <math.h>
#endif
#define TG__CU_WIDTH 256                                          /* threads of a block, always */
#define TG__CU_JOIN_(a, b) a##__##b
#define TG__CU_JOIN(a, b) TG__CU_JOIN_(a, b)
#define TG__FN(name) TG__CU_JOIN(name, cuda)
#if defined(__CUDACC__)
#define TG__PRIVATE static __device__ inline
#define TG__INLINE static __device__ __forceinline__
#define TG__NOINLINE static __device__ __noinline__
#define TG__CU_TABLE static __device__
#if __CUDACC_VER_MAJOR__ * 100 + __CUDACC_VER_MINOR__ >= 1105
#pragma nv_diag_suppress 177                                      /* a program has use for a part of what is here */
#else
#pragma diag_suppress 177
#endif
#if __CUDACC_VER_MAJOR__ * 100 + __CUDACC_VER_MINOR__ >= 1107
#define TG__CU_CONSTANT __grid_constant__                         /* a pointer to the arguments makes no copy of them */
#else
#define TG__CU_CONSTANT
#endif
#define TG__CU_KERNEL_(name, type, ...) extern "C" __global__ void __launch_bounds__(TG__CU_WIDTH) name(const TG__CU_CONSTANT type arguments) { \
    const type *const r = &arguments; const int64_t block = blockIdx.x, blocks = gridDim.x; (void)blocks; __VA_ARGS__; }
#define TG__CU_THREADS(t) for (int t = (int)threadIdx.x, tg__once = 1; tg__once; tg__once = 0)
#define TG__CU_BARRIER __syncthreads();
#define TG__CU_SHARED(type, name, n) __shared__ type name[n]
#define TG__CU_OWN(type, name, n) type name[n]
#define TG__CU_MY(name, t) name
#define TG__CU_FLAG(p, bits) atomicOr(p, bits)
#define TG__CU_ALIGNED __align__(16)
#define TG__CU_MOVE_16(to, from) (*(uint4 *)(void *)(to) = *(const uint4 *)(const void *)(from))
#define TG__CU_MOVE_8(to, from) (*(uint2 *)(void *)(to) = *(const uint2 *)(const void *)(from))
#define TG__CU_UNROLL _Pragma("unroll")
#define TG__CU_ROLL _Pragma("unroll 1")                            /* divisions are long */
TG__INLINE float  tg__fma32(float a, float b, float c) { return __fmaf_rn(a, b, c); }
TG__INLINE double tg__fma64(double a, double b, double c) { return __fma_rn(a, b, c); }
TG__INLINE float  tg__sqrt32(float a) { return __fsqrt_rn(a); }
TG__INLINE double tg__sqrt64(double a) { return __dsqrt_rn(a); }
#else
#define TG__PRIVATE static
#define TG__INLINE static inline
#define TG__NOINLINE static
#define TG__CU_TABLE static
#define TG__CU_KERNEL_(name, type, ...) enum { name##_size = sizeof(type) }; static void name(const void *arguments, int64_t block, int64_t blocks) { \
    const type *const r = (const type *)arguments; (void)blocks; __VA_ARGS__; }
#ifndef TG__CU_GOES                                               /* who looks for barriers that are missing: tests/cuda_fake.c */
#define TG__CU_GOES(t) ((t) < TG__CU_WIDTH)
#define TG__CU_WHO 0
#define TG__CU_AS(t)
#define TG__CU_BARRIER
#define TG__CU_WATCH(name)
#define TG__CU_FLAG(p, bits) (*(p) |= (bits))
#endif
#define TG__CU_THREADS(t) for (int t = 0; TG__CU_GOES(t); t++)
#define TG__CU_ALIGNED
#define TG__CU_MOVE_16(to, from) tg__cu_aligned(to, from, 16)
#define TG__CU_MOVE_8(to, from) tg__cu_aligned(to, from, 8)
#define TG__CU_SHARED(type, name, n) type name[n]; TG__CU_WATCH(name)
#define TG__CU_OWN(type, name, n) type name[TG__CU_WIDTH][n]
#define TG__CU_MY(name, t) name[t]
#define TG__CU_UNROLL
#define TG__CU_ROLL
TG__INLINE float  tg__fma32(float a, float b, float c) { return fmaf(a, b, c); }
TG__INLINE double tg__fma64(double a, double b, double c) { return fma(a, b, c); }
TG__INLINE float  tg__sqrt32(float a) { return sqrtf(a); }
TG__INLINE double tg__sqrt64(double a) { return sqrt(a); }
#ifndef TG__CU_MISPLACED                                          /* the tests define it */
#define TG__CU_MISPLACED return;
#endif
static void tg__cu_aligned(void *to, const void *from, int bytes) {       /* what does not lie so is a fault on a device */
    typedef uint64_t __attribute__((may_alias)) word;
    if (((uintptr_t)to | (uintptr_t)from) % (unsigned)bytes) TG__CU_MISPLACED
    for (int i = 0; i < bytes / 8; i++) ((word *)to)[i] = ((const word *)from)[i];
}
#endif
#define TG__CU_KERNEL(name, type, ...) TG__CU_KERNEL_(name, type, __VA_ARGS__)
/* what the chapters of tensorgrad.h ask for: a vector of one, with a fused multiply-add */
#define TG__PASS_STRICT 1
#define TG__VN 1
#define TG__VN_F32 1
#define TG__VN_F64 1
#define TG__HAS_X86 0
#define TG__FAST_X86 0
#define TG__BARRIER(v) ((void)0)
TG__INLINE double tg__mullo64(double a, double b, double p) { return tg__fma64(a, b, -p); }
/* {text ends} */

/* {text: typed} */
/* ======================================================================================
   >>cuda-kernels    read for float, for double and for int64_t: TG__CU_TYPE is 32, 64 or 0
   TG__CU_ONLY_... leaves the others out: NVRTC is given a family at a time.
   ====================================================================================== */
#undef TG__T
#undef TG__V
#undef TG__M
#undef TG__VI
#undef TG__W
#undef TG__CU
#undef TG__CU_FROM
#undef TG__FT
#undef TG__TYPE_F32
#define TG__FT(name) TG__FN(TG__CU(name))
#if TG__CU_TYPE == 32
#define TG__T float
#define TG__TYPE_F32
#define TG__V TG__FN(tg__vf32)
#define TG__M TG__FN(tg__mf32)
#define TG__VI TG__FN(tg__vi32)
#define TG__W(word) TG__FN(tg__w_##word##_f32)
#define TG__CU(name) name##_f32
#define TG__CU_FROM(v) ((float)(v))
#elif TG__CU_TYPE == 64
#define TG__T double
#define TG__V TG__FN(tg__vf64)
#define TG__M TG__FN(tg__mf64)
#define TG__VI TG__FN(tg__vi64)
#define TG__W(word) TG__FN(tg__w_##word##_f64)
#define TG__CU(name) name##_f64
#define TG__CU_FROM(v) ((double)(v))
#else
#define TG__T int64_t
#define TG__V int64_t
#define TG__M int
#define TG__CU(name) name##_i64
#define TG__CU_FROM(v) tg__int_of((double)(v))
#endif

/* One element of any dtype, in the type that is computed in, and back: as tg__load and tg__store of tensorgrad.h. */
TG__INLINE TG__T TG__CU(tg__cu_get)(int dtype, const char *p, int64_t i) {
    switch (dtype) {
        case 0: return TG__CU_FROM(((const float *)p)[i]);
        case 1: return TG__CU_FROM(((const double *)p)[i]);
        case 2: return TG__CU_FROM(tg__from_half(((const uint16_t *)p)[i]));
        case 3: return TG__CU_FROM(tg__float((uint32_t)((const uint16_t *)p)[i] << 16));
        case 4: return (TG__T)((const int64_t *)p)[i];
        case 5: return (TG__T)((const int32_t *)p)[i];
        case 6: return (TG__T)((const int16_t *)p)[i];
        case 7: return (TG__T)((const int8_t *)p)[i];
        case 8: return (TG__T)((const uint8_t *)p)[i];
        default: return (TG__T)(((const uint8_t *)p)[i] != 0);
    }
}
TG__INLINE void TG__CU(tg__cu_put)(int dtype, char *p, int64_t i, TG__T v) {
#if TG__CU_TYPE == 0
    const uint64_t w = (uint64_t)v;
#else
    const uint64_t w = dtype > 3 && dtype < 9 ? (uint64_t)(dtype == 4 || dtype == 8 ? tg__int_of((double)v) : tg__int_short((double)v)) : 0;
#endif
    switch (dtype) {
        case 0: ((float *)p)[i] = (float)v; break;
        case 1: ((double *)p)[i] = (double)v; break;
        case 2: ((uint16_t *)p)[i] = tg__to_half((float)v); break;
        case 3: ((uint16_t *)p)[i] = tg__to_bf16((float)v); break;
        case 4: ((uint64_t *)p)[i] = w; break;
        case 5: ((uint32_t *)p)[i] = (uint32_t)w; break;
        case 6: ((uint16_t *)p)[i] = (uint16_t)w; break;
        case 7: case 8: ((uint8_t *)p)[i] = (uint8_t)w; break;
        default: ((uint8_t *)p)[i] = (uint8_t)!(v == 0); break;
    }
}

/* Block-quantised numbers, packed: d * q is exact in f32. Programs are told their dtypes in four bits, as TG__CU_CODE. */
#if (!defined(TG__CU_ONLY) || defined(TG__CU_ONLY_COPY) || defined(TG__CU_ONLY_GEMM)) && TG__CU_TYPE == 32
/* {text: blocks of tensorgrad.h} */
TG__INLINE float tg__cu_get_block(int code, const char *p, int64_t i) {
    const tg_dtype d = (tg_dtype)(code + TG__CU_CODE);
    const uint8_t *const b = (const uint8_t *)p + i / TG__BLOCK * (d == TG_Q8_0 ? 34 : 18);
    return tg__from_half((uint16_t)(b[0] | b[1] << 8)) * (float)tg__block_whole(d, b, (int)(i % TG__BLOCK));
}
#endif

#ifndef TG__CU_ANY
#define TG__CU_ANY
TG__INLINE void tg__cu_move(int size, char *y, int64_t to, const char *x, int64_t from) {
    switch (size) {
        case 8: ((uint64_t *)y)[to] = ((const uint64_t *)x)[from]; break;
        case 4: ((uint32_t *)y)[to] = ((const uint32_t *)x)[from]; break;
        case 2: ((uint16_t *)y)[to] = ((const uint16_t *)x)[from]; break;
        default: ((uint8_t *)y)[to] = ((const uint8_t *)x)[from]; break;
    }
}
/* Eight elements of one type in a thread's registers: to and from memory in pieces of 16 bytes, all of them asked for at once. */
typedef struct TG__CU_ALIGNED tg__cu_eight { uint64_t w[8]; } tg__cu_eight;
TG__INLINE int tg__cu_size(int dtype) {
    return dtype == 1 || dtype == 4 ? 8 : dtype == 0 || dtype == 5 ? 4 : dtype == 2 || dtype == 3 || dtype == 6 ? 2 : 1;
}
TG__INLINE void tg__cu_eight_in(int dtype, const char *from, int64_t step, int64_t at, tg__cu_eight *to) {      /* step 0: one for all */
    const int size = tg__cu_size(dtype);
    const char *const p = from + at * size;
    if (!step) { TG__CU_UNROLL for (int e = 0; e < 8; e++) tg__cu_move(size, (char *)to, e, p, 0); }
    else if (size == 1) { TG__CU_MOVE_8(to, p); }
    else { TG__CU_UNROLL for (int e = 0; e < size / 2; e++) { TG__CU_MOVE_16((char *)to + 16 * e, p + 16 * e); } }
}
TG__INLINE void tg__cu_eight_out(int dtype, char *y, int64_t at, const tg__cu_eight *from) {
    const int size = tg__cu_size(dtype);
    char *const p = y + at * size;
    if (size == 1) { TG__CU_MOVE_8(p, from); }
    else { TG__CU_UNROLL for (int e = 0; e < size / 2; e++) { TG__CU_MOVE_16(p + 16 * e, (const char *)from + 16 * e); } }
}
/* Of element i of a shape, in elements. */
TG__INLINE int64_t tg__cu_offset(int ndim, const int64_t *shape, const int64_t *stride, int64_t i) {
    int64_t at = 0;
    int d;
    TG__CU_ROLL for (d = ndim - 1; d > 0; d--) { const int64_t q = i / shape[d]; at += (i - q * shape[d]) * stride[d]; i = q; }
    return at + i * stride[0];
}
TG__INLINE double tg__cu_any(int dtype, const char *p, int64_t i) {   /* as a double */
    switch (dtype) {
        case 0: return ((const float *)p)[i];
        case 1: return ((const double *)p)[i];
        case 2: return tg__from_half(((const uint16_t *)p)[i]);
        case 3: return tg__float((uint32_t)((const uint16_t *)p)[i] << 16);
        case 4: return (double)((const int64_t *)p)[i];
        case 5: return ((const int32_t *)p)[i];
        case 6: return ((const int16_t *)p)[i];
        case 7: return ((const int8_t *)p)[i];
        default: return ((const uint8_t *)p)[i];
    }
}
#endif

/* ---- walks ----
   Element i of several operands of one shape: at[k], in elements. */
#ifndef TG__CU_PLACES
#define TG__CU_PLACES(count) \
    int64_t at[count]; \
    { \
        int64_t rest = i; \
        int k, d; \
        TG__CU_UNROLL for (k = 0; k < (count); k++) at[k] = 0; \
        TG__CU_ROLL for (d = r->ndim - 1; d > 0; d--) { \
            const int64_t q = r->small ? (int64_t)((uint32_t)rest / (uint32_t)r->shape[d]) : rest / r->shape[d], left = rest - q * r->shape[d]; \
            TG__CU_UNROLL for (k = 0; k < (count); k++) at[k] += left * r->o[k].stride[d]; \
            rest = q; \
        } \
        TG__CU_UNROLL for (k = 0; k < (count); k++) at[k] += rest * r->o[k].stride[0]; \
    }
#define TG__CU_UP_TO(i, count) for (int64_t i = block * TG__CU_WIDTH + t; i < (count); i += blocks * TG__CU_WIDTH)
#define TG__CU_EACH(i) TG__CU_UP_TO(i, r->n)
/* dtypes are the program's own where it was compiled for them, else the request's */
#ifdef TG__CU_DTYPES
#define TG__CU_DTYPE(k, asked) ((int)((uint64_t)(TG__CU_DTYPES) >> (4 * (k)) & 15))
#else
#define TG__CU_DTYPE(k, asked) (asked)
#endif
#define TG__CU_D(k) TG__CU_DTYPE(k, r->o[k].dtype)

#define TG__CU_POSITION                                               /* p: element i's place in the walk of five dimensions */ \
    int64_t p[5]; \
    { int64_t rest = i; for (int d = 4; d > 0; d--) { p[d] = rest % r->shape[d]; rest /= r->shape[d]; } p[0] = rest; }
#define TG__CU_TO(k) (p[0] * r->o[k].stride[0] + p[1] * r->o[k].stride[1] + p[2] * r->o[k].stride[2] + p[3] * r->o[k].stride[3] + p[4] * r->o[k].stride[4])

/* ---- map: what a row of the formula table becomes ---- */
#define TG__CU_NUMBER(k) (r->o[k].number == 2 ? (TG__T)r->o[k].i : TG__CU_FROM(r->o[k].f))
#define TG__CU_READ(k, q) const TG__V q = r->o[k].number ? TG__CU_NUMBER(k) : TG__CU(tg__cu_get)(TG__CU_D(k), from[k], index[k]); (void)q;
#define TG__CU_EIGHTS(i) for (int64_t i = (block * TG__CU_WIDTH + t) * 8; i + 8 <= r->n; i += blocks * TG__CU_WIDTH * 8)
#define TG__CU_LEFT(i) for (int64_t i = (r->wide ? r->n / 8 * 8 : 0) + block * TG__CU_WIDTH + t; i < r->n; i += blocks * TG__CU_WIDTH)
#define TG__CU_MAP(name, count, reads, check, value) \
    TG__CU_KERNEL(name, tg__cu_walk, { const double *const p = r->numbers; (void)p; \
        TG__CU_THREADS(t) { \
            const char *from[count]; \
            if (r->wide) TG__CU_EIGHTS(i) { \
                tg__cu_eight eight[count]; \
                TG__CU_PLACES(count) \
                TG__CU_UNROLL for (int k = 1; k < (count); k++) if (r->o[k].p) tg__cu_eight_in(TG__CU_D(k), r->o[k].p, r->o[k].step, at[k], &eight[k]); \
                TG__CU_UNROLL for (int e = 0; e < 8; e++) { \
                    int64_t index[count]; \
                    TG__CU_UNROLL for (int k = 0; k < (count); k++) { from[k] = (const char *)&eight[k]; index[k] = e; } \
                    reads TG__CU(tg__cu_put)(TG__CU_D(0), (char *)&eight[0], index[0], value); \
                } \
                tg__cu_eight_out(TG__CU_D(0), r->o[0].p, at[0], &eight[0]); \
            } \
            TG__CU_LEFT(i) { \
                TG__CU_PLACES(count) const int64_t *const index = at; \
                TG__CU_UNROLL for (int k = 0; k < (count); k++) from[k] = r->o[k].p; \
                reads check TG__CU(tg__cu_put)(TG__CU_D(0), r->o[0].p, at[0], value); \
            } } })
#define TG__CU_VALUE1(name, v)   TG__CU_MAP(name, 2, TG__CU_READ(1, x), , v)
#define TG__CU_VALUE2(name, v)   TG__CU_MAP(name, 3, TG__CU_READ(1, a) TG__CU_READ(2, b), , v)
#define TG__CU_VALUE3(name, v)   TG__CU_MAP(name, 4, TG__CU_READ(1, a) TG__CU_READ(2, b) TG__CU_READ(3, c), , v)
#define TG__CU_DIVIDE2(name, v)  TG__CU_MAP(name, 3, TG__CU_READ(1, a) TG__CU_READ(2, b), if (b == 0) TG__CU_FLAG(r->flag, 1u); if (r->look) continue;, v)
#define TG__CU_DERIVE1(name, v)  TG__CU_MAP(name, 4, TG__CU_READ(1, g) TG__CU_READ(2, x) TG__CU_READ(3, y), , v)
#define TG__CU_DERIVE2(name, v)  TG__CU_MAP(name, 5, TG__CU_READ(1, g) TG__CU_READ(2, a) TG__CU_READ(3, b) TG__CU_READ(4, y), , v)
#define TG__CU_DERIVE3(name, v)  TG__CU_MAP(name, 6, TG__CU_READ(1, g) TG__CU_READ(2, a) TG__CU_READ(3, b) TG__CU_READ(4, c) TG__CU_READ(5, y), , v)
#endif

/* {text: maps of tensorgrad.h} */

#if !defined(TG__CU_ONLY) || defined(TG__CU_ONLY_COPY)
/* ---- copy, cast, fill ---- */
TG__CU_MAP(TG__CU(tg__cu_cast), 2, , , TG__CU(tg__cu_get)(TG__CU_D(1), from[1], index[1]))
#if TG__CU_TYPE == 32
/* An element, or a block, is a thread's. */
TG__INLINE void tg__cu_block_packed(const tg__cu_walk *r, int64_t i) {
    const tg_dtype d = (tg_dtype)(TG__CU_D(0) + TG__CU_CODE);
    const int bytes = d == TG_Q8_0 ? 34 : 18;
    float v[TG__BLOCK];
    uint8_t block[34];
    for (int e = 0; e < TG__BLOCK; e++) v[e] = tg__cu_get_f32(TG__CU_D(1), r->o[1].p, i * TG__BLOCK + e);
    tg__block_pack(d, block, v);
    for (int e = 0; e < bytes; e++) ((uint8_t *)r->o[0].p)[i * bytes + e] = block[e];
}
TG__CU_KERNEL(tg__cu_unpack_f32, tg__cu_walk,
    { TG__CU_THREADS(t) TG__CU_EACH(i) tg__cu_put_f32(TG__CU_D(0), r->o[0].p, i,
    tg__cu_get_block(TG__CU_D(1), r->o[1].p, i)); })
TG__CU_KERNEL(tg__cu_pack_f32, tg__cu_walk, { TG__CU_THREADS(t) TG__CU_EACH(i) tg__cu_block_packed(r, i); })
#elif TG__CU_TYPE == 64
TG__CU_KERNEL(tg__cu_ramp_f64, tg__cu_walk,
    { TG__CU_THREADS(t) TG__CU_EACH(i) { TG__CU_PLACES(1) tg__cu_put_f64(TG__CU_D(0), r->o[0].p, at[0],
    r->numbers[0] + (double)i * r->numbers[1]); } })
#elif TG__CU_TYPE == 0
TG__CU_KERNEL(tg__cu_ramp_i64, tg__cu_walk,
    { TG__CU_THREADS(t) TG__CU_EACH(i) { TG__CU_PLACES(1) tg__cu_put_i64(TG__CU_D(0), r->o[0].p, at[0],
    (int64_t)((uint64_t)r->whole[0] + (uint64_t)i * (uint64_t)r->whole[1])); } })
#undef TG__CU_BITS
#define TG__CU_BITS(bits) ((bits) == 64 ? 4 : (bits) == 32 ? 5 : (bits) == 16 ? 6 : 8)      /* the whole number of that size */
/* turn: a block takes a square of 32 x 32, in along x's rows and out along y's */
#define TG__CU_RAW(bits) \
    TG__CU_KERNEL(tg__cu_copy_##bits##_i64, tg__cu_walk, { TG__CU_THREADS(t) { \
        if (r->wide) TG__CU_EIGHTS(i) { \
            tg__cu_eight eight; \
            TG__CU_PLACES(2) \
            tg__cu_eight_in(TG__CU_BITS(bits), r->o[1].p, r->o[1].step, at[1], &eight); tg__cu_eight_out(TG__CU_BITS(bits), r->o[0].p, at[0], &eight); \
        } \
        TG__CU_LEFT(i) { TG__CU_PLACES(2) ((uint##bits##_t *)r->o[0].p)[at[0]] = ((const uint##bits##_t *)r->o[1].p)[at[1]]; } \
    } }) \
    TG__CU_KERNEL(tg__cu_turn_##bits##_i64, tg__cu_walk, { \
        TG__CU_SHARED(uint##bits##_t, square, 32 * 33); \
        const int64_t wide = (r->whole[0] + 31) / 32, high = (r->whole[1] + 31) / 32, rest = block / (wide * high), column = block % wide * 32, row = block / wide % high * 32; \
        const uint##bits##_t *const x = (const uint##bits##_t *)r->o[1].p + tg__cu_offset(r->ndim, r->shape, r->o[1].stride, rest); \
        uint##bits##_t *const y = (uint##bits##_t *)r->o[0].p + tg__cu_offset(r->ndim, r->shape, r->o[0].stride, rest); \
        TG__CU_THREADS(t) { TG__CU_UNROLL for (int i = t / 32; i < 32; i += 8) if (column + i < r->whole[0] && row + t % 32 < r->whole[1]) square[i * 33 + t % 32] = x[(column + i) * r->whole[2] + row + t % 32]; } \
        TG__CU_BARRIER                                                    /* the square is there */ \
        TG__CU_THREADS(t) { TG__CU_UNROLL for (int i = t / 32; i < 32; i += 8) if (column + t % 32 < r->whole[0] && row + i < r->whole[1]) y[(row + i) * r->whole[3] + column + t % 32] = square[t % 32 * 33 + i]; } \
    }) \
    TG__CU_KERNEL(tg__cu_fill_##bits##_i64, tg__cu_walk, { TG__CU_THREADS(t) TG__CU_EACH(i) { TG__CU_PLACES(1) ((uint##bits##_t *)r->o[0].p)[at[0]] = (uint##bits##_t)r->whole[0]; } })
TG__CU_RAW(8) TG__CU_RAW(16) TG__CU_RAW(32) TG__CU_RAW(64)
#endif
#endif

#if !defined(TG__CU_ONLY) || defined(TG__CU_ONLY_RANDOM) || defined(TG__CU_ONLY_ATTENTION) || defined(TG__CU_ONLY_ATTENTION_MATRIX)
/* ---- random: a thread makes the elements of one block of four Philox words, as >>impl-create and >>pass-random tell ---- */
#ifndef TG__CU_PHILOX
#define TG__CU_PHILOX
TG__INLINE void tg__cu_philox(uint64_t at, uint64_t key, uint64_t call, uint32_t *w) {
    uint32_t c0 = (uint32_t)at, c1 = (uint32_t)(at >> 32), c2 = (uint32_t)call, c3 = (uint32_t)(call >> 32),
        k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int i = 0; i < 10; i++) {
        const uint64_t p = (uint64_t)0xd2511f53u * c0, q = (uint64_t)0xcd9e8d57u * c2;
        c0 = (uint32_t)(q >> 32) ^ c1 ^ k0; c1 = (uint32_t)q;
        c2 = (uint32_t)(p >> 32) ^ c3 ^ k1; c3 = (uint32_t)p;
        k0 += 0x9e3779b9u; k1 += 0xbb67ae85u;
    }
    w[0] = c0; w[1] = c1; w[2] = c2; w[3] = c3;
}
TG__INLINE uint64_t tg__cu_mul_high(uint64_t a, uint64_t b) {
    const uint64_t al = a & 0xffffffffu, ah = a >> 32, bl = b & 0xffffffffu, bh = b >> 32,
        m = ah * bl + (al * bl >> 32), l = al * bh + (m & 0xffffffffu);
    return ah * bh + (m >> 32) + (l >> 32);
}
enum { TG__CU_UNIFORM, TG__CU_NORMAL, TG__CU_KEEP, TG__CU_INTEGER, TG__CU_BERNOULLI };
#endif
#if TG__CU_TYPE == 32
#define TG__CU_PER 4
#define TG__CU_UNIT 5.9604644775390625e-8f
#define TG__CU_FRACTION(e) ((float)(int32_t)(w[e] >> 8) * TG__CU_UNIT)
#elif TG__CU_TYPE == 64
#define TG__CU_PER 2
#define TG__CU_UNIT 1.1102230246251565e-16
#define TG__CU_FRACTION(e) ((double)(((uint64_t)w[2 * (e) + 1] << 32 | w[2 * (e)]) >> 11) * TG__CU_UNIT)
#endif
#if TG__CU_TYPE != 0
TG__INLINE void TG__CU(tg__cu_drawn)(const tg__cu_walk *r, uint32_t *w, TG__T *v) {
    const TG__T low = (TG__T)r->numbers[0], high = (TG__T)r->numbers[1];
    const int dtype = TG__CU_D(0), half = r->kind == TG__CU_UNIFORM && (dtype == 2 || dtype == 3);
    int e;
    for (e = 0; half && e < 4; e++) w[e] &= dtype == 2 ? 0xffe00000u : 0xff000000u;
    for (e = 0; e < TG__CU_PER; e++) {
        const TG__T f = TG__CU_FRACTION(e);
        if (r->kind == TG__CU_KEEP) { v[e] = f < low ? 0 : high; continue; }
        if (r->kind == TG__CU_NORMAL) {
            TG__T root, angle;
            if (e & 1) continue;
            root = TG__W(mul)(TG__W(sqrt)(TG__W(mul)((TG__T)-2, TG__W(log)(TG__W(add)(f, TG__CU_UNIT)))), high);
            angle = TG__W(mul)(TG__CU_FRACTION(e + 1), (TG__T)6.283185307179586477);
            v[e] = TG__W(add)(TG__W(mul)(root, TG__W(cos)(angle)), low);
            v[e + 1] = TG__W(add)(TG__W(mul)(root, TG__W(sin)(angle)), low);
            continue;
        }
        v[e] = TG__W(add)(low, TG__W(mul)(f, high - low));
        if (v[e] >= high && low < high) v[e] = low;
        if (half && low < high && (dtype == 2 ? tg__from_half(tg__to_half((float)v[e]))
            : tg__float((uint32_t)tg__to_bf16((float)v[e]) << 16)) >= high)
            v[e] = low;
    }
}
#else
#define TG__CU_PER 2
TG__INLINE void tg__cu_drawn_i64(const tg__cu_walk *r, uint32_t *w, int64_t *v) {
    for (int e = 0; e < 2; e++)
        v[e] = (int64_t)((uint64_t)r->whole[2] + tg__cu_mul_high((uint64_t)w[2 * e + 1] << 32 | w[2 * e], (uint64_t)r->whole[3]));
}
#endif
TG__INLINE void TG__CU(tg__cu_draw)(const tg__cu_walk *r, int64_t first) {
    uint32_t w[4];
    TG__T v[4];
    tg__cu_philox((uint64_t)first / TG__CU_PER, (uint64_t)r->whole[0], (uint64_t)r->whole[1], w);
    TG__CU(tg__cu_drawn)(r, w, v);
    for (int e = 0; e < TG__CU_PER && first + e < r->n; e++) {
        const int64_t i = first + e;
        TG__CU_PLACES(2)
#if TG__CU_TYPE != 0
        if (r->kind == TG__CU_BERNOULLI) {
            const double p = r->o[1].number ? r->o[1].f : tg__cu_any(TG__CU_D(1), r->o[1].p, at[1]);
            if (!(p >= 0 && p <= 1)) TG__CU_FLAG(r->flag, 2u);
            v[e] = (double)v[e] < p ? 1 : 0;
        }
        if (r->part) v[e] = TG__W(mul)(r->o[1].number ? TG__CU_FROM(r->o[1].f) : TG__CU(tg__cu_get)(TG__CU_D(1), r->o[1].p, at[1]), v[e]);
#endif
        if (!r->look) TG__CU(tg__cu_put)(TG__CU_D(0), r->o[0].p, at[0], v[e]);
    }
}
TG__CU_KERNEL(TG__CU(tg__cu_random), tg__cu_walk,
    { TG__CU_THREADS(t) for (int64_t i = block * TG__CU_WIDTH + t; i * TG__CU_PER < r->n; i += blocks * TG__CU_WIDTH)
        TG__CU(tg__cu_draw)(r, i * TG__CU_PER); })
#undef TG__CU_PER
#undef TG__CU_UNIT
#undef TG__CU_FRACTION
#endif

#if !defined(TG__CU_ONLY) || defined(TG__CU_ONLY_REDUCE)
/* ---- reduce: in the order of >>impl-reduce. A run goes over 64 lanes, four runs to a block ---- */
#ifndef TG__CU_SUM
enum { TG__CU_SUM, TG__CU_PROD, TG__CU_MAX, TG__CU_MIN };
#define TG__CU_SUM TG__CU_SUM
#endif
#if TG__CU_TYPE == 0
typedef int64_t tg__cu_wide_i64;
#else
typedef double TG__CU(tg__cu_wide);
#endif
TG__INLINE TG__T TG__CU(tg__cu_fold)(int kind, TG__T a, TG__T b) {
#if TG__CU_TYPE == 0
    return kind == TG__CU_SUM ? (int64_t)((uint64_t)a + (uint64_t)b) : kind == TG__CU_PROD ? (int64_t)((uint64_t)a * (uint64_t)b)
        : kind == TG__CU_MAX ? (b > a ? b : a) : b < a ? b : a;
#else
    return kind == TG__CU_SUM ? a + b : kind == TG__CU_PROD ? a * b : kind == TG__CU_MAX ? TG__W(maxn)(a, b) : TG__W(minn)(a, b);
#endif
}
TG__INLINE int TG__CU(tg__cu_found)(TG__T x, TG__T v) {               /* is it the one? NaN is found too */
#if TG__CU_TYPE == 0
    return x == v;
#else
    return x == v || (TG__W(isnan)(v) && TG__W(isnan)(x));
#endif
}
TG__INLINE TG__T TG__CU(tg__cu_element)(const tg__cu_reduce *r, const char *x, int64_t i) {
    return TG__CU(tg__cu_get)(TG__CU_DTYPE(1, r->xd), x, r->run_dims == 1 ? i * r->rx[0] : tg__cu_offset(r->run_dims, r->run, r->rx, i));
}
TG__INLINE const char *TG__CU(tg__cu_first)(const tg__cu_reduce *r, int64_t out) {      /* the first element of a result's */
    return r->x + tg__cu_offset(r->kept_dims, r->kept, r->kx, out) * tg__cu_size(TG__CU_DTYPE(1, r->xd));
}
TG__INLINE void TG__CU(tg__cu_settle)(const tg__cu_reduce *r, int64_t out, TG__CU(tg__cu_wide) v, int64_t place) {
    if (r->y) {
        const int64_t at = tg__cu_offset(r->kept_dims, r->kept, r->ky, out);
#if TG__CU_TYPE == 0
        tg__cu_put_i64(TG__CU_DTYPE(0, r->yd), r->y, at, v);
#else
        v *= r->scale;
        if (TG__CU_DTYPE(0, r->yd) == 1) ((double *)r->y)[at] = v; else TG__CU(tg__cu_put)(TG__CU_DTYPE(0, r->yd), r->y, at, (TG__T)v);
#endif
    }
    if (r->places) r->places[tg__cu_offset(r->kept_dims, r->kept, r->kp, out)] = place;
}
TG__INLINE void TG__CU(tg__cu_leave)(const tg__cu_reduce *r, int64_t out, int64_t q, TG__T v, int64_t place) {
    if (r->pieces == 1) { TG__CU(tg__cu_settle)(r, out, (TG__CU(tg__cu_wide))v, place); return; }
    ((TG__CU(tg__cu_wide) *)r->partial)[q * r->outs + out] = (TG__CU(tg__cu_wide))v;
    if (r->places) ((int64_t *)r->partial)[(r->pieces + q) * r->outs + out] = place;
}
TG__INLINE TG__T TG__CU(tg__cu_neutral)(int kind, TG__T first) { return kind == TG__CU_SUM ? 0 : kind == TG__CU_PROD ? 1 : first; }
TG__INLINE void TG__CU(tg__cu_runs)(const tg__cu_reduce *r, int64_t block, int kind) {
    TG__CU_SHARED(TG__T, s, TG__CU_WIDTH);
    TG__CU_SHARED(int64_t, place, TG__CU_WIDTH);
    const int64_t items = r->outs * r->pieces;
    int half;
    TG__CU_THREADS(t) {
        const int64_t item = block * 4 + t / 64, out = item / r->pieces, first = item % r->pieces * r->piece;
        const int64_t n = r->length - first < r->piece ? r->length - first : r->piece;
        const char *x;
        TG__T v;
        int64_t i = t % 64;
        place[t] = -1;                                                    /* this thread's part of the width that is folded */
        if (item >= items) continue;
        x = TG__CU(tg__cu_first)(r, out);
        v = n ? TG__CU(tg__cu_neutral)(kind, TG__CU(tg__cu_element)(r, x, first)) : TG__CU(tg__cu_neutral)(kind, 0);
        if (i < n) v = TG__CU(tg__cu_element)(r, x, first + i);
        for (i += 64; i < n; i += 64) v = TG__CU(tg__cu_fold)(kind, v, TG__CU(tg__cu_element)(r, x, first + i));
        s[t] = v;
        place[t] = n;
    }
    TG__CU_BARRIER
    for (half = 32; half > 0; half /= 2) {                                /* fewer elements than lanes: from the next power of two */
        TG__CU_THREADS(t) if (t % 64 < half && place[t] > half) s[t] = TG__CU(tg__cu_fold)(kind, s[t], s[t + half]);
        TG__CU_BARRIER
    }
    if (r->places) {
        TG__CU_THREADS(t) {
            const int64_t item = block * 4 + t / 64, out = item / r->pieces, first = item % r->pieces * r->piece, n = place[t];
            const char *x;
            int64_t i;
            if (item >= items) continue;
            x = TG__CU(tg__cu_first)(r, out);
            for (i = t % 64; i < n && !TG__CU(tg__cu_found)(TG__CU(tg__cu_element)(r, x, first + i), s[t & ~63]); i += 64) { }
            place[t] = first + i;
        }
        TG__CU_BARRIER
        for (half = 32; half > 0; half /= 2) {
            TG__CU_THREADS(t) if (t % 64 < half && place[t + half] < place[t]) place[t] = place[t + half];
            TG__CU_BARRIER
        }
    }
    TG__CU_THREADS(t) {
        const int64_t item = block * 4 + t / 64;
        if (t % 64 == 0 && item < items) TG__CU(tg__cu_leave)(r, item / r->pieces, item % r->pieces, s[t], place[t]);
    }
}
/* Runs of up to 64 elements: a thread each. */
TG__INLINE void TG__CU(tg__cu_short)(const tg__cu_reduce *r, int64_t block, int kind) {
    TG__CU_THREADS(t) {
        const int64_t out = block * TG__CU_WIDTH + t;
        const char *x;
        TG__T lane[64], v;
        int width = 1, half, i;
        if (out >= r->outs) continue;
        x = TG__CU(tg__cu_first)(r, out);
        while (width < r->length) width *= 2;
        for (i = 0; i < width; i++) lane[i] = i < r->length ? TG__CU(tg__cu_element)(r, x, i) : TG__CU(tg__cu_neutral)(kind, lane[0]);
        for (half = width / 2; half > 0; half /= 2) for (i = 0; i < half; i++) lane[i] = TG__CU(tg__cu_fold)(kind, lane[i], lane[i + half]);
        v = lane[0];
        for (i = 0; r->places && !TG__CU(tg__cu_found)(TG__CU(tg__cu_element)(r, x, i), v); i++) { }
        TG__CU(tg__cu_leave)(r, out, 0, v, i);
    }
}
/* Results that lie side by side in x: rows in order, a thread for each column. */
TG__INLINE void TG__CU(tg__cu_columns)(const tg__cu_reduce *r, int64_t block, int kind) {
    TG__CU_THREADS(t) {
        const int64_t wide = (r->outs + TG__CU_WIDTH - 1) / TG__CU_WIDTH, q = block / wide,
            out = block % wide * TG__CU_WIDTH + t, first = q * r->piece;
        const int64_t end = r->length - first < r->piece ? r->length : first + r->piece;
        const char *x;
        TG__T v;
        int64_t i;
        if (out >= r->outs) continue;
        x = TG__CU(tg__cu_first)(r, out);
        v = TG__CU(tg__cu_element)(r, x, first);
        for (i = first + 1; i < end; i++) v = TG__CU(tg__cu_fold)(kind, v, TG__CU(tg__cu_element)(r, x, i));
        TG__CU(tg__cu_leave)(r, out, q, v, 0);
    }
}
/* Pieces are added up in double, in order. */
TG__INLINE void TG__CU(tg__cu_join)(const tg__cu_reduce *r, int64_t block, int kind) {
    TG__CU_THREADS(t) {
        const int64_t out = block * TG__CU_WIDTH + t;
        const TG__CU(tg__cu_wide) *part = (const TG__CU(tg__cu_wide) *)r->partial;
        TG__CU(tg__cu_wide) v;
        int64_t q, at = 0;
        if (out >= r->outs) continue;
        v = part[out];
        for (q = 1; q < r->pieces; q++) {
            const TG__CU(tg__cu_wide) b = part[q * r->outs + out], old = v;
#if TG__CU_TYPE == 0
            v = tg__cu_fold_i64(kind, v, b);
            if (v != old) at = q;
#else
            if (kind == TG__CU_SUM) v += b; else if (kind == TG__CU_PROD) v *= b;
            else if (!(v != v) && (b != b || (kind == TG__CU_MAX ? b > v : b < v))) { v = b; at = q; }
            (void)old;
#endif
        }
        TG__CU(tg__cu_settle)(r, out, v, r->places ? ((const int64_t *)r->partial)[(r->pieces + at) * r->outs + out] : 0);
    }
}
#ifndef TG__CU_REDUCERS
#define TG__CU_REDUCERS(kind, name) TG__CU_REDUCERS_(kind, name)
#define TG__CU_REDUCERS_(kind, name) \
    TG__CU_KERNEL(TG__CU(tg__cu_runs_##name), tg__cu_reduce, TG__CU(tg__cu_runs)(r, block, kind)) \
    TG__CU_KERNEL(TG__CU(tg__cu_short_##name), tg__cu_reduce, TG__CU(tg__cu_short)(r, block, kind)) \
    TG__CU_KERNEL(TG__CU(tg__cu_columns_##name), tg__cu_reduce, TG__CU(tg__cu_columns)(r, block, kind)) \
    TG__CU_KERNEL(TG__CU(tg__cu_join_##name), tg__cu_reduce, TG__CU(tg__cu_join)(r, block, kind))
#endif
#if !defined(TG__CU_KIND)
TG__CU_REDUCERS(TG__CU_SUM, sum) TG__CU_REDUCERS(TG__CU_PROD, prod) TG__CU_REDUCERS(TG__CU_MAX, max) TG__CU_REDUCERS(TG__CU_MIN, min)
#else
TG__CU_REDUCERS(TG__CU_KIND, TG__CU_KIND_NAME)
#endif
#endif

#if (!defined(TG__CU_ONLY) || defined(TG__CU_ONLY_SOFTMAX)) && TG__CU_TYPE != 0
/* ---- softmax, its logarithm, cross-entropy: 64 lanes to a row, four rows to a block ---- */
#ifndef TG__CU_ROWS
#define TG__CU_ROWS
TG__INLINE int64_t tg__cu_class(const tg__cu_rows *r, int64_t row) {
    const int64_t at = row * r->cs;
    switch (TG__CU_DTYPE(2, r->cd)) {
        case 4: return ((const int64_t *)r->classes)[at];
        case 5: return ((const int32_t *)r->classes)[at];
        case 6: return ((const int16_t *)r->classes)[at];
        case 7: return ((const int8_t *)r->classes)[at];
        default: return ((const uint8_t *)r->classes)[at];
    }
}
/* -100: this row counts for nothing; -1: an error, too */
TG__INLINE int64_t tg__cu_class_of(const tg__cu_rows *r, int64_t row) {
    const int64_t c = tg__cu_class(r, row);
    if (c == -100 || (c >= 0 && c < r->length)) return c;
    TG__CU_FLAG(r->flag, 4u);
    return -100;
}
#endif
#define TG__CU_X(i) TG__CU(tg__cu_get)(TG__CU_DTYPE(1, r->xd), r->x, from + (i) * r->xs)
/* A lane's elements `first`, + 64, ... of a row, in order: four are asked for before the first of them is used. */
#define TG__CU_LANE(first, ...) \
    for (int64_t at = (first); at < r->length; at += 256) { \
        TG__T four[4]; \
        TG__CU_UNROLL for (int e = 0; e < 4; e++) four[e] = at + 64 * e < r->length ? TG__CU_X(at + 64 * e) : 0; \
        TG__CU_UNROLL for (int e = 0; e < 4; e++) if (at + 64 * e < r->length) { const int64_t i = at + 64 * e; const TG__T x = four[e]; (void)i; __VA_ARGS__; } \
    }
TG__INLINE void TG__CU(tg__cu_soft)(const tg__cu_rows *r, int64_t block) {
    TG__CU_SHARED(TG__T, s, TG__CU_WIDTH);
    TG__CU_SHARED(TG__T, top, 4);
    int half;
    TG__CU_THREADS(t) {
        const int64_t row = block * 4 + t / 64;
        int64_t from;
        TG__T v;
        if (row >= r->rows) continue;
        from = tg__cu_offset(r->ndim, r->shape, r->kx, row);
        v = TG__CU_X(t % 64 < r->length ? t % 64 : 0);
        TG__CU_LANE(t % 64 + 64, v = TG__W(maxn)(v, x))
        s[t] = v;
    }
    TG__CU_BARRIER
    for (half = 32; half > 0; half /= 2) {
        TG__CU_THREADS(t) if (t % 64 < half && block * 4 + t / 64 < r->rows) s[t] = TG__W(maxn)(s[t], s[t + half]);
        TG__CU_BARRIER
    }
    TG__CU_THREADS(t) if (t % 64 == 0) top[t / 64] = s[t];
    TG__CU_BARRIER
    TG__CU_THREADS(t) {
        const int64_t row = block * 4 + t / 64;
        int64_t from;
        TG__T v = 0;
        if (row >= r->rows) continue;
        from = tg__cu_offset(r->ndim, r->shape, r->kx, row);
        TG__CU_LANE(t % 64, v = TG__W(add)(v, TG__W(exp)(TG__W(sub)(x, top[t / 64]))))
        s[t] = v;
    }
    TG__CU_BARRIER
    for (half = 32; half > 0; half /= 2) {
        TG__CU_THREADS(t) if (t % 64 < half && block * 4 + t / 64 < r->rows) s[t] = TG__W(add)(s[t], s[t + half]);
        TG__CU_BARRIER
    }
    TG__CU_THREADS(t) {
        const int64_t row = block * 4 + t / 64;
        const TG__T m = top[t / 64], sum = s[t & ~63];
        int64_t from, to, c;
        TG__T v;
        if (row >= r->rows) continue;
        from = tg__cu_offset(r->ndim, r->shape, r->kx, row);
        if (r->kind == 2) {                                               /* a loss, and what its derivative reads */
            if (t % 64) continue;
            c = tg__cu_class_of(r, row);
            if (r->look) continue;
            v = c == -100 ? 0 : TG__W(log)(sum) - (TG__CU_X(c) - m);
            TG__CU(tg__cu_put)(TG__CU_DTYPE(0, r->yd), r->y, row, v);
            ((TG__T *)r->row)[2 * row] = c == -100 ? 0 : m;
            ((TG__T *)r->row)[2 * row + 1] = c == -100 ? 0 : sum;
            continue;
        }
        to = tg__cu_offset(r->ndim, r->shape, r->ky, row);
        v = r->kind == 1 ? TG__W(log)(sum) : TG__W(div)((TG__T)1, sum);
        TG__CU_LANE(t % 64, const TG__T d = TG__W(sub)(x, m);
            TG__CU(tg__cu_put)(TG__CU_DTYPE(0, r->yd), r->y, to + i * r->ys,
                r->kind == 1 ? TG__W(sub)(d, v) : TG__W(mul)(TG__W(exp)(d), v)))
    }
}
/* The derivative of cross-entropy. */
TG__INLINE void TG__CU(tg__cu_entropy_back)(const tg__cu_rows *r, int64_t block) {
    TG__CU_THREADS(t) {
        const int64_t row = block * 4 + t / 64;
        int64_t from, c;
        TG__T m, s, g;
        if (row >= r->rows) continue;
        c = tg__cu_class_of(r, row);
        if (r->look) continue;
        from = tg__cu_offset(r->ndim, r->shape, r->kx, row);
        m = ((const TG__T *)r->row)[2 * row];
        g = TG__CU(tg__cu_get)(TG__CU_DTYPE(1, r->xd), r->g, row * r->gs);
        if (r->chunks) g = TG__W(div)(g, ((const TG__T *)r->row)[2 * (r->rows + r->chunks) + 1]);
        s = g / ((const TG__T *)r->row)[2 * row + 1];
        TG__CU_LANE(t % 64, TG__T v = c == -100 ? 0 : TG__W(mul)(TG__W(exp)(TG__W(sub)(x, m)), s);
            if (i == c) v -= g;
            TG__CU(tg__cu_put)(TG__CU_DTYPE(0, r->yd), r->y, row * r->length + i, v))
    }
}
#undef TG__CU_LANE
#undef TG__CU_X
/* Losses that wait in y become a mean. First each chunk of rows is summed: 128 of them at a time over 64 lanes, these in double. */
TG__INLINE void TG__CU(tg__cu_entropy_chunks)(const tg__cu_rows *r, int64_t block) {
    TG__CU_SHARED(TG__T, s, TG__CU_WIDTH);
    TG__CU_SHARED(double, sum, 4);
    TG__CU_SHARED(int64_t, count, TG__CU_WIDTH);
    int64_t at;
    int half;
    TG__CU_THREADS(t) { count[t] = 0; if (t % 64 == 0) sum[t / 64] = 0; }
    for (at = 0; at < r->per; at += 128) {                                /* the same for all of the four chunks */
        TG__CU_BARRIER
        TG__CU_THREADS(t) {
            const int64_t first = (block * 4 + t / 64) * r->per, left = r->rows - first < r->per ? r->rows - first
                : r->per, row = first + at + t % 64;
            s[t] = 0;
            if (at + t % 64 >= left) continue;
            s[t] = ((const TG__T *)r->y)[row];
            count[t] += tg__cu_class(r, row) != -100;
            if (t % 64 + 64 >= 128 || at + t % 64 + 64 >= left) continue;
            s[t] = TG__W(add)(s[t], ((const TG__T *)r->y)[row + 64]);
            count[t] += tg__cu_class(r, row + 64) != -100;
        }
        TG__CU_BARRIER
        for (half = 32; half > 0; half /= 2) {
            TG__CU_THREADS(t) if (t % 64 < half) s[t] = TG__W(add)(s[t], s[t + half]);
            TG__CU_BARRIER
        }
        TG__CU_THREADS(t) if (t % 64 == 0) sum[t / 64] += (double)s[t];
    }
    TG__CU_BARRIER
    for (half = 32; half > 0; half /= 2) {
        TG__CU_THREADS(t) if (t % 64 < half) count[t] += count[t + half];
        TG__CU_BARRIER
    }
    TG__CU_THREADS(t) {
        const int64_t chunk = block * 4 + t / 64;
        TG__T *to = (TG__T *)r->row + 2 * (r->rows + chunk);
        if (t % 64 || chunk >= r->chunks) continue;
        to[0] = (TG__T)sum[t / 64]; to[1] = (TG__T)count[t];
    }
}
/* Then the chunks, in order; the mean of none is 0 / 0. */
TG__INLINE void TG__CU(tg__cu_entropy_join)(const tg__cu_rows *r) {
    TG__CU_THREADS(t) {
        TG__T *const row = (TG__T *)r->row + 2 * r->rows;
        double sum = 0, count = 0;
        if (t) continue;
        for (int64_t k = 0; k < r->chunks; k++) { sum += (double)row[2 * k]; count += (double)row[2 * k + 1]; }
        row[2 * r->chunks] = (TG__T)sum; row[2 * r->chunks + 1] = (TG__T)count;
        sum = count > 0 ? (double)(TG__T)sum / count : tg__double(0x7ff8000000000000u);
        TG__CU(tg__cu_put)(TG__CU_DTYPE(3, r->md), r->mean, 0, (TG__T)sum);
    }
}
TG__CU_KERNEL(TG__CU(tg__cu_entropy_sums), tg__cu_rows, TG__CU(tg__cu_entropy_chunks)(r, block))
TG__CU_KERNEL(TG__CU(tg__cu_entropy_mean), tg__cu_rows, { (void)block; TG__CU(tg__cu_entropy_join)(r); })
TG__CU_KERNEL(TG__CU(tg__cu_softmax), tg__cu_rows, TG__CU(tg__cu_soft)(r, block))
TG__CU_KERNEL(TG__CU(tg__cu_entropy), tg__cu_rows, TG__CU(tg__cu_entropy_back)(r, block))
#endif

#if (!defined(TG__CU_ONLY) || defined(TG__CU_ONLY_INDEX)) && TG__CU_TYPE == 0
/* ---- index: gather and scatter ---- */
/* d = d + s, d * s, the larger or smaller of both, in type U, which WIDE and NARROW lead to and back from; NaN wins */
#define TG__CU_CHANGE(code, T, WIDE, NARROW, U, NO) case code: { \
    T *const p = (T *)y + to; const T e = ((const T *)x)[from]; const U d = (U)WIDE(*p), s = (U)WIDE(e); \
    if (kind == 2) *p = (T)NARROW(d + s); else if (kind == 3) *p = (T)NARROW(d * s); \
    else if (!NO(WIDE(*p)) && (NO(WIDE(e)) || (kind == 4 ? WIDE(e) > WIDE(*p) : WIDE(e) < WIDE(*p)))) *p = e; \
    break; }
#define TG__CU_NEVER(v) 0
#define TG__CU_NAN(v) ((v) != (v))
#define TG__CU_SELF(v) (v)
TG__INLINE float tg__cu_bf16(uint16_t v) { return tg__float((uint32_t)v << 16); }
TG__INLINE void tg__cu_change(int kind, int dtype, char *y, int64_t to, const char *x, int64_t from) {
    if (dtype == 9 && kind == 2) { ((uint8_t *)y)[to] = (uint8_t)(((uint8_t *)y)[to] || ((const uint8_t *)x)[from]); return; }
    switch (dtype) {
        TG__CU_CHANGE(0, float, TG__CU_SELF, TG__CU_SELF, float, TG__CU_NAN)
        TG__CU_CHANGE(1, double, TG__CU_SELF, TG__CU_SELF, double, TG__CU_NAN)
        TG__CU_CHANGE(2, uint16_t, tg__from_half, tg__to_half, float, TG__CU_NAN)
        TG__CU_CHANGE(3, uint16_t, tg__cu_bf16, tg__to_bf16, float, TG__CU_NAN)
        TG__CU_CHANGE(4, int64_t, TG__CU_SELF, (int64_t), uint64_t, TG__CU_NEVER)
        TG__CU_CHANGE(5, int32_t, TG__CU_SELF, (int32_t), uint32_t, TG__CU_NEVER)
        TG__CU_CHANGE(6, int16_t, TG__CU_SELF, (int16_t), uint32_t, TG__CU_NEVER)
        TG__CU_CHANGE(7, int8_t, TG__CU_SELF, (int8_t), uint32_t, TG__CU_NEVER)
        default: break;
        TG__CU_CHANGE(8, uint8_t, TG__CU_SELF, (uint8_t), uint32_t, TG__CU_NEVER)
        TG__CU_CHANGE(9, uint8_t, TG__CU_SELF, (uint8_t), uint32_t, TG__CU_NEVER)
    }
}
/* A thread for each position. ndim counts the slices' dimensions; ki, ky, kx lead along the indexed one. */
TG__INLINE void tg__cu_take(const tg__cu_index *r, int64_t block, int64_t blocks) {
    TG__CU_THREADS(t) for (int64_t i = block * TG__CU_WIDTH + t; i < r->n * r->k; i += blocks * TG__CU_WIDTH) {
        const int64_t slice = r->buckets ? i % r->n : i / r->k, k = r->buckets ? i / r->n : i % r->k;
        const int64_t v = r->index[tg__cu_offset(r->ndim, r->shape, r->si, slice) + k * r->ki];
        if (v < 0 || v >= r->limit) { TG__CU_FLAG(r->flag, 8u); continue; }
        if (r->look) continue;
        tg__cu_move(r->size, r->y, tg__cu_offset(r->ndim, r->shape, r->sy, slice) + k * r->ky, r->x,
            tg__cu_offset(r->ndim, r->shape, r->sx, slice) + v * r->xv);
    }
}
/* A thread for each slice and each bucket of destinations: it alone writes there, in the order of k. */
TG__INLINE void tg__cu_scatter(const tg__cu_index *r, int64_t block) {
    TG__CU_THREADS(t) {
        const int64_t at = block * TG__CU_WIDTH + t, slice = at % r->n, bucket = at / r->n;
        int64_t to, from, index, k;
        if (bucket >= r->buckets) continue;
        to = tg__cu_offset(r->ndim, r->shape, r->sy, slice); from = tg__cu_offset(r->ndim, r->shape, r->sx, slice);
        index = tg__cu_offset(r->ndim, r->shape, r->si, slice);
        for (k = 0; k < r->k; k++) {
            const int64_t v = r->index[index + k * r->ki];
            if ((v & (r->buckets - 1)) != bucket) continue;
            if (v < 0 || v >= r->limit) { TG__CU_FLAG(r->flag, 8u); continue; }
            if (r->look) continue;
            if (r->kind == 1) tg__cu_move(r->size, r->y, to + v * r->yv, r->x, from + k * r->kx);
            else tg__cu_change(r->kind, TG__CU_DTYPE(0, r->dtype), r->y, to + v * r->yv, r->x, from + k * r->kx);
        }
    }
}
TG__CU_KERNEL(tg__cu_index_take_i64, tg__cu_index, tg__cu_take(r, block, blocks))
TG__CU_KERNEL(tg__cu_index_scatter_i64, tg__cu_index, tg__cu_scatter(r, block))
#endif

#if (!defined(TG__CU_ONLY) || defined(TG__CU_ONLY_SCAN)) && TG__CU_TYPE != 32
/* ---- scan: a thread for each row; or for each piece of a long one, in three launches: what the pieces come to, what
   stands before each, their results. Floats are carried in double ---- */
#ifndef TG__CU_LINEAR
enum { TG__CU_SCAN_SUM, TG__CU_SCAN_PROD, TG__CU_SCAN_MAX, TG__CU_SCAN_MIN, TG__CU_LINEAR };
#define TG__CU_LINEAR TG__CU_LINEAR
#endif
#if TG__CU_TYPE == 0
#define TG__CU_ADD(a, b) ((int64_t)((uint64_t)(a) + (uint64_t)(b)))
#define TG__CU_TIMES(a, b) ((int64_t)((uint64_t)(a) * (uint64_t)(b)))
#else
#define TG__CU_ADD(a, b) ((a) + (b))
#define TG__CU_TIMES(a, b) ((a) * (b))
#endif
/* What a stretch of a row comes to: after a result s it is factor * s + value, or as the kind says of s and value. */
typedef struct TG__CU(tg__cu_stretch) { TG__T value, factor; int64_t place; } TG__CU(tg__cu_stretch);
TG__INLINE void TG__CU(tg__cu_stretch_on)(int kind, TG__CU(tg__cu_stretch) *s, const TG__CU(tg__cu_stretch) *next) {
    const TG__T v = next->value, old = s->value;
    switch (kind) {
        case TG__CU_SCAN_SUM: s->value = TG__CU_ADD(old, v); break;
        case TG__CU_SCAN_PROD: s->value = TG__CU_TIMES(old, v); break;
        case TG__CU_LINEAR: s->value = TG__CU_ADD(TG__CU_TIMES(next->factor, old), v);
        s->factor = TG__CU_TIMES(next->factor, s->factor); break;
        default: if (v != v || (old == old && (kind == TG__CU_SCAN_MAX ? v >= old : v <= old))) { s->value = v; s->place = next->place; }
    }
}
/* The elements from..end of a row, to s; `begun`: there is something in s before them. */
TG__INLINE void TG__CU(tg__cu_scan_run)(const tg__cu_walk *r, int64_t row, int64_t from, int64_t end, int begun,
    int store, TG__CU(tg__cu_stretch) *s) {
    const int64_t to = tg__cu_offset(r->ndim, r->shape, r->o[0].stride, row), x = tg__cu_offset(r->ndim, r->shape, r->o[2].stride, row);
    const int64_t places = tg__cu_offset(r->ndim, r->shape, r->o[1].stride, row), a = tg__cu_offset(r->ndim, r->shape, r->o[3].stride, row);
    for (int64_t i = from; i < end; i++) {
        TG__CU(tg__cu_stretch) next;
#if TG__CU_TYPE == 64
        const int64_t tile = (i / 512 + 1) * 512;
        /* of four additions one waits for those before */
        if (r->kind == TG__CU_SCAN_SUM && r->part && i + 4 <= (tile < end ? tile : end)) {
            const double before = begun || i > from ? s->value : -0.0;
            double v[4];
            int e;
            for (e = 0; e < 4; e++) v[e] = tg__cu_get_f64(TG__CU_D(2), r->o[2].p, x + (i + e) * r->o[2].step);
            v[1] = v[0] + v[1]; v[3] = v[1] + (v[2] + v[3]);
            v[2] = before + (v[1] + v[2]); v[0] = before + v[0]; v[1] = before + v[1]; v[3] = before + v[3];
            for (e = 0; store && e < 4; e++) tg__cu_put_f64(TG__CU_D(0), r->o[0].p, to + (i + e) * r->o[0].step, v[e]);
            s->value = v[3];
            i += 3;
            continue;
        }
#endif
        next.value = TG__CU(tg__cu_get)(TG__CU_D(2), r->o[2].p, x + i * r->o[2].step);
        next.factor = r->o[3].p ? TG__CU(tg__cu_get)(TG__CU_D(3), r->o[3].p, a + i * r->o[3].step) : 0;
        next.place = i;
        if (i == from && !begun) *s = next; else TG__CU(tg__cu_stretch_on)(r->kind, s, &next);
        if (!store) continue;
        TG__CU(tg__cu_put)(TG__CU_D(0), r->o[0].p, to + i * r->o[0].step, s->value);
        if (r->o[1].p) ((int64_t *)r->o[1].p)[places + i * r->o[1].step] = s->place;
    }
}
TG__INLINE void TG__CU(tg__cu_scan_item)(const tg__cu_walk *r, int64_t item, int store) {
    TG__CU(tg__cu_stretch) s, *const work = (TG__CU(tg__cu_stretch) *)r->work;
    const int64_t q = item / r->n, row = item - q * r->n, from = q * r->piece, end = from + r->piece < r->o[0].count
        ? from + r->piece : r->o[0].count;
    const int begun = store && q > 0;
    if (begun) s = work[item]; else { s.value = s.factor = 0; s.place = 0; }
    TG__CU(tg__cu_scan_run)(r, row, from, end, begun, store, &s);
    if (!store) work[item] = s;
}
TG__INLINE void TG__CU(tg__cu_scan_row)(const tg__cu_walk *r, int64_t row) {
    TG__CU(tg__cu_stretch) *const work = (TG__CU(tg__cu_stretch) *)r->work + row, s = work[0];
    for (int64_t q = 1; q < r->pieces; q++) {
        const TG__CU(tg__cu_stretch) next = work[q * r->n];
        work[q * r->n] = s;
        TG__CU(tg__cu_stretch_on)(r->kind, &s, &next);
    }
}
#undef TG__CU_ADD
#undef TG__CU_TIMES
TG__CU_KERNEL(TG__CU(tg__cu_scan), tg__cu_walk, { TG__CU_THREADS(t) TG__CU_UP_TO(i, r->n * r->pieces) TG__CU(tg__cu_scan_item)(r, i, 1); })
TG__CU_KERNEL(TG__CU(tg__cu_scan_pieces), tg__cu_walk,
    { TG__CU_THREADS(t) TG__CU_UP_TO(i, r->n * r->pieces) TG__CU(tg__cu_scan_item)(r, i, 0); })
TG__CU_KERNEL(TG__CU(tg__cu_scan_before), tg__cu_walk, { TG__CU_THREADS(t) TG__CU_EACH(i) TG__CU(tg__cu_scan_row)(r, i); })
#endif

#if (!defined(TG__CU_ONLY) || defined(TG__CU_ONLY_SORT)) && TG__CU_TYPE == 0
/* ---- sort, search: numbers of any type as keys in their order, as >>impl-sort: NaN is the largest, -0 and 0 are one ---- */
enum { TG__CU_SORTS = 1024 };
typedef struct tg__cu_entry { uint64_t key; int64_t place; } tg__cu_entry;
TG__INLINE uint64_t tg__cu_sort_key(int dtype, const char *p, int64_t i) {
    uint64_t u, sign, infinity;
    switch (dtype) {
        case 0: u = ((const uint32_t *)p)[i]; sign = 0x80000000u; infinity = 0x7f800000u; break;
        case 1: u = ((const uint64_t *)p)[i]; sign = (uint64_t)1 << 63; infinity = (uint64_t)0x7ff << 52; break;
        case 2: u = ((const uint16_t *)p)[i]; sign = 0x8000u; infinity = 0x7c00u; break;
        case 3: u = ((const uint16_t *)p)[i]; sign = 0x8000u; infinity = 0x7f80u; break;
        case 4: return ((const uint64_t *)p)[i] ^ (uint64_t)1 << 63;
        case 5: return ((const uint32_t *)p)[i] ^ 0x80000000u;
        case 6: return ((const uint16_t *)p)[i] ^ 0x8000u;
        case 7: return ((const uint8_t *)p)[i] ^ 0x80u;
        default: return ((const uint8_t *)p)[i];
    }
    if ((u & ~sign) > infinity) return sign | (sign - 1);
    return u & sign ? (u ^ (sign | (sign - 1))) + (u == sign) : u | sign;
}
/* How many of n sorted entries stand before the key; those that equal it do if `equal`. */
TG__INLINE int64_t tg__cu_rank(const tg__cu_entry *e, int64_t n, uint64_t key, int equal) {
    int64_t low = 0, high = n;
    while (low < high) {
        const int64_t mid = (low + high) / 2;
        if (e[mid].key < key || (equal && e[mid].key == key)) low = mid + 1; else high = mid;
    }
    return low;
}
/* Entry i of n finds its place where two sorted runs of w side by side become one: equal ones stay in order. Of a run
   nobody asks for more than the first `keep`. */
TG__INLINE void tg__cu_merge(const tg__cu_entry *from, tg__cu_entry *to, int64_t n, int64_t w, int64_t keep, int64_t i) {
    const int64_t base = i / (2 * w) * (2 * w), second = base + w < n ? base + w : n, end = second + w < n ? second + w : n;
    const int later = i >= second;
    const int64_t own = i - (later ? second : base), other = later ? second - base : end - second;
    if (own < keep) {
        const int64_t at = own + tg__cu_rank(from + (later ? base : second), other < keep ? other : keep, from[i].key, later);
        if (at < keep) to[base + at] = from[i];
    }
}
/* The k-th of the results: the entry's element of x, bit by bit, and its place. */
TG__INLINE void tg__cu_sort_put(const tg__cu_walk *r, int64_t row, int64_t k, int64_t place) {
    const int dtype = TG__CU_D(2), size = dtype == 0 || dtype == 5 ? 4 : dtype == 1 || dtype == 4 ? 8 : dtype == 2 ||
        dtype == 3 || dtype == 6 ? 2 : 1;
    tg__cu_move(size, r->o[0].p, tg__cu_offset(r->ndim, r->shape, r->o[0].stride, row) + k * r->o[0].step, r->o[2].p,
        tg__cu_offset(r->ndim, r->shape, r->o[2].stride, row) + place * r->o[2].step);
    ((int64_t *)r->o[1].p)[tg__cu_offset(r->ndim, r->shape, r->o[1].stride, row) + k * r->o[1].step] = place;
}
/* A block has pieces of a power of two of entries. What does not fill its own has the largest keys, and stays behind. */
TG__INLINE void tg__cu_sort_block(const tg__cu_walk *r, int64_t block) {
    TG__CU_SHARED(tg__cu_entry, s, 2 * TG__CU_SORTS);
    const int64_t first = block * (TG__CU_SORTS / r->piece), items = r->n * r->pieces, length = r->length, keep = r->whole[2];
    /* what is kept of a row */
    const int64_t last = length - (r->pieces - 1) * r->piece, next = (r->pieces - 1) * keep + (last < keep ? last : keep);
    const tg__cu_entry *const entries = (const tg__cu_entry *)r->work + (r->part ? r->whole[3] : 0);
    tg__cu_entry *const to = (tg__cu_entry *)r->work + (r->part ? 0 : r->whole[3]);
    int64_t w;
    int from = 0;
    TG__CU_THREADS(t) for (int64_t e = t; e < TG__CU_SORTS; e += TG__CU_WIDTH) {
        const int64_t item = first + e / r->piece, row = item / r->pieces, at = item % r->pieces * r->piece + e % r->piece;
        s[e].key = ~(uint64_t)0; s[e].place = length;
        if (item >= items || at >= length) continue;
        if (r->whole[4]) { s[e] = entries[row * length + at]; continue; }
        s[e].key = tg__cu_sort_key(TG__CU_D(2), r->o[2].p, tg__cu_offset(r->ndim, r->shape, r->o[2].stride, row) + at * r->o[2].step);
        if (r->kind) s[e].key = ~s[e].key & ~(uint64_t)0 >> (TG__CU_D(2) == 1 || TG__CU_D(2) == 4 ? 0 : 32);
        s[e].place = at;
    }
    TG__CU_BARRIER                                                        /* all entries are there */
    for (w = 1; w < r->piece; w *= 2) {
        TG__CU_THREADS(t) for (int64_t e = t; e < TG__CU_SORTS; e += TG__CU_WIDTH) tg__cu_merge(s + from,
            s + (TG__CU_SORTS - from), TG__CU_SORTS, w, keep, e);
        /* the runs are whole, and nobody reads what the next merge writes over */
        TG__CU_BARRIER
        from = TG__CU_SORTS - from;
    }
    TG__CU_THREADS(t) for (int64_t e = t; e < TG__CU_SORTS; e += TG__CU_WIDTH) {
        const int64_t item = first + e / r->piece, row = item / r->pieces, piece = item % r->pieces, at = e % r->piece;
        if (item >= items || at >= keep || piece * r->piece + at >= length) continue;
        if (r->pieces > 1) to[row * next + piece * keep + at] = s[from + e];
        else if (at >= r->whole[1] && at < r->whole[1] + r->o[0].count) tg__cu_sort_put(r, row, at - r->whole[1], s[from + e].place);
    }
}
/* Entries of long rows wait in work, twice: `part` tells in which half. */
TG__INLINE void tg__cu_sort_merge(const tg__cu_walk *r, int64_t i) {
    const int64_t n = r->length, row = i / n, half = r->whole[3];
    tg__cu_entry *const e = (tg__cu_entry *)r->work + row * n;
    tg__cu_merge(e + (r->part ? half : 0), e + (r->part ? 0 : half), n, r->piece, n, i - row * n);
}
TG__INLINE void tg__cu_sort_write(const tg__cu_walk *r, int64_t i) {
    const int64_t n = r->length, row = i / r->o[0].count, k = i - row * r->o[0].count;
    tg__cu_sort_put(r, row, k, ((const tg__cu_entry *)r->work)[(r->part ? r->whole[3] : 0) + row * n + r->whole[1] + k].place);
}
TG__INLINE void tg__cu_search(const tg__cu_walk *r, int64_t i) {
    const int64_t row = i / r->o[0].count, k = i - row * r->o[0].count;
    const int64_t to = tg__cu_offset(r->ndim, r->shape, r->o[0].stride, row) + k * r->o[0].step,
        sorted = tg__cu_offset(r->ndim, r->shape, r->o[2].stride, row);
    const uint64_t key = tg__cu_sort_key(TG__CU_D(1), r->o[1].p, tg__cu_offset(r->ndim, r->shape, r->o[1].stride, row) + k * r->o[1].step);
    int64_t low = 0, high = r->o[2].count;
    while (low < high) {
        const int64_t mid = (low + high) / 2;
        const uint64_t at = tg__cu_sort_key(TG__CU_D(1), r->o[2].p, sorted + mid * r->o[2].step);
        if (at < key || (r->kind && at == key)) low = mid + 1; else high = mid;
    }
    if (TG__CU_D(0) == 4) ((int64_t *)r->o[0].p)[to] = low; else ((int32_t *)r->o[0].p)[to] = (int32_t)low;
}
TG__CU_KERNEL(tg__cu_sort_blocks_i64, tg__cu_walk, tg__cu_sort_block(r, block))
TG__CU_KERNEL(tg__cu_sort_merge_i64, tg__cu_walk, { TG__CU_THREADS(t) TG__CU_UP_TO(i, r->n * r->length) tg__cu_sort_merge(r, i); })
TG__CU_KERNEL(tg__cu_sort_write_i64, tg__cu_walk, { TG__CU_THREADS(t) TG__CU_UP_TO(i, r->n * r->o[0].count) tg__cu_sort_write(r, i); })
TG__CU_KERNEL(tg__cu_search_i64, tg__cu_walk, { TG__CU_THREADS(t) TG__CU_UP_TO(i, r->n * r->o[0].count) tg__cu_search(r, i); })
#endif

#if (!defined(TG__CU_ONLY) || defined(TG__CU_ONLY_NORM)) && TG__CU_TYPE != 0
/* ---- norm: r->lanes threads to a row, or to a piece of it; sums in double. In work each row has four numbers, its mean,
   1 / sqrt(var + eps) and the two sums of its gradient; then the pieces have two; then the weights' gradients theirs ---- */
#ifndef TG__CU_NORM
#define TG__CU_NORM
enum { TG__CU_NORM_MEAN, TG__CU_NORM_SQUARES, TG__CU_NORM_BACK };
TG__INLINE int64_t tg__cu_norm_row(const tg__cu_walk *r, int k, int64_t row) {
    return tg__cu_offset(r->ndim, r->shape, r->o[k].stride, row);
}
TG__INLINE int64_t tg__cu_norm_at(const tg__cu_walk *r, int k, int64_t i) {
    return r->within == 1 ? i * r->o[k].stride[r->ndim] : tg__cu_offset(r->within, r->shape + r->ndim, r->o[k].stride + r->ndim, i);
}
#endif
#define TG__CU_GET(k, row_at, i) TG__CU(tg__cu_get)(TG__CU_D(k), r->o[k].p, (row_at) + tg__cu_norm_at(r, k, i))
/* Over a piece of a row: the sum of x, of the squares of its distances from the mean, or of h = g, times weight where
   it differs within the row, and of h times the distance. They stand in the first of the threads. */
TG__INLINE void TG__CU(tg__cu_norm_gather)(const tg__cu_walk *r, int64_t block, int what, const double *mean, double *s, double *d) {
    int half;
    TG__CU_THREADS(t) {
        const int64_t item = block * (TG__CU_WIDTH / r->lanes) + t / r->lanes, row = item / r->pieces, from = item % r->pieces * r->piece;
        const int64_t end = from + r->piece < r->length ? from + r->piece : r->length;
        int64_t x, g = 0, w = 0, i;
        s[t] = d[t] = 0;
        if (item >= r->n * r->pieces) continue;
        x = tg__cu_norm_row(r, 4, row);
        if (what == TG__CU_NORM_BACK) { g = tg__cu_norm_row(r, 6, row); w = tg__cu_norm_row(r, 5, row); }
        for (i = from + t % r->lanes; i < end; i += r->lanes) {
            const double e = (double)TG__CU_GET(4, x, i) - (what == TG__CU_NORM_MEAN ? 0 : mean[t / r->lanes]);
            double h;
            if (what == TG__CU_NORM_MEAN) { s[t] += e; continue; }
            if (what == TG__CU_NORM_SQUARES) { s[t] += e * e; continue; }
            h = (double)TG__CU_GET(6, g, i);
            if (r->o[5].p && !r->whole[1]) h *= (double)TG__CU_GET(5, w, i);
            s[t] += h; d[t] += h * e;
        }
    }
    TG__CU_BARRIER
    for (half = r->lanes / 2; half > 0; half /= 2) {
        TG__CU_THREADS(t) if (t % r->lanes < half) { s[t] += s[t + half]; d[t] += d[t + half]; }
        TG__CU_BARRIER
    }
}
/* What comes of a row's sums: its statistics; or the gradients of a weight that it has for itself. */
TG__INLINE void TG__CU(tg__cu_norm_settle)(const tg__cu_walk *r, int64_t row, int what, double s, double d) {
    double *const own = (double *)r->work + 4 * row;
    TG__T *const rows = r->o[3].p ? (TG__T *)r->o[3].p + tg__cu_norm_row(r, 3, row) : 0;
    const int rms = r->kind == 1;
    if (what == TG__CU_NORM_MEAN) { own[0] = s / (double)r->length; return; }
    if (what == TG__CU_NORM_SQUARES) {
        const TG__T var = (TG__T)(s / (double)r->length);
        own[1] = 1 / tg__sqrt64((double)var + r->numbers[0]);
        if (rms) own[0] = 0;
        if (rows) { rows[0] = (TG__T)own[0]; rows[1] = var; }
        return;
    }
    own[0] = (double)rows[0]; own[1] = 1 / tg__sqrt64((double)rows[1] + r->numbers[0]);
    own[2] = rms ? 0 : own[1] * (s / (double)r->length); own[3] = own[1] * own[1] * own[1] * (d / (double)r->length);
    if (!r->whole[1]) return;
    if (r->o[1].p) TG__CU(tg__cu_put)(TG__CU_D(1), r->o[1].p, tg__cu_norm_row(r, 1, row), (TG__T)(d * own[1]));
    if (r->o[2].p) TG__CU(tg__cu_put)(TG__CU_D(2), r->o[2].p, tg__cu_norm_row(r, 2, row), (TG__T)s);
    if (r->o[5].p) { const double w = (double)TG__CU_GET(5, tg__cu_norm_row(r, 5, row), 0); own[2] *= w; own[3] *= w; }
}
/* y = (x - mean) * scale * weight + bias; or dx = h * scale - own[2] - (x - mean) * own[3] */
TG__INLINE void TG__CU(tg__cu_norm_element)(const tg__cu_walk *r, int64_t row, int64_t i) {
    const double *const own = (const double *)r->work + 4 * row;
    const TG__T d = TG__CU_GET(4, tg__cu_norm_row(r, 4, row), i) - (TG__T)own[0], scale = (TG__T)own[1];
    const TG__T w = r->o[5].p ? TG__CU_GET(5, tg__cu_norm_row(r, 5, row), i) : 1;
    TG__T v;
    if (r->part) v = TG__W(fnma)(d, (TG__T)own[3], TG__CU_GET(6, tg__cu_norm_row(r, 6, row), i) * w * scale - (TG__T)own[2]);
    else v = d * scale * w + (r->o[6].p ? TG__CU_GET(6, tg__cu_norm_row(r, 6, row), i) : 0);
    TG__CU(tg__cu_put)(TG__CU_D(0), r->o[0].p, tg__cu_norm_row(r, 0, row) + tg__cu_norm_at(r, 0, i), v);
}
/* Whole rows, in one launch. */
TG__INLINE void TG__CU(tg__cu_norm_whole)(const tg__cu_walk *r, int64_t block, int back) {
    TG__CU_SHARED(double, s, TG__CU_WIDTH);
    TG__CU_SHARED(double, d, TG__CU_WIDTH);
    TG__CU_SHARED(double, mean, TG__CU_WIDTH / 32);
    const int64_t first = block * (TG__CU_WIDTH / r->lanes);
    int what;
    TG__CU_THREADS(t) if (t % r->lanes == 0 && first + t / r->lanes < r->n) mean[t / r->lanes] = back
        ? (double)((const TG__T *)r->o[3].p)[tg__cu_norm_row(r, 3, first + t / r->lanes)] : 0;
    for (what = back ? TG__CU_NORM_BACK : r->kind == 1 ? TG__CU_NORM_SQUARES
        : TG__CU_NORM_MEAN; what <= (back ? TG__CU_NORM_BACK : TG__CU_NORM_SQUARES); what++) {
        TG__CU_BARRIER
        TG__CU(tg__cu_norm_gather)(r, block, what, mean, s, d);
        TG__CU_THREADS(t) if (t % r->lanes == 0 && first + t / r->lanes < r->n) {
            TG__CU(tg__cu_norm_settle)(r, first + t / r->lanes, what, s[t], d[t]);
            mean[t / r->lanes] = ((const double *)r->work)[4 * (first + t / r->lanes)];
        }
    }
    TG__CU_BARRIER
    TG__CU_THREADS(t) if (first + t / r->lanes < r->n)
        for (int64_t i = t % r->lanes; i < r->length; i += r->lanes) TG__CU(tg__cu_norm_element)(r, first + t / r->lanes, i);
}
/* Rows that are cut: the sums of a piece, and what comes of all of a row's. */
TG__INLINE void TG__CU(tg__cu_norm_piece)(const tg__cu_walk *r, int64_t block) {
    TG__CU_SHARED(double, s, TG__CU_WIDTH);
    TG__CU_SHARED(double, d, TG__CU_WIDTH);
    TG__CU_SHARED(double, mean, TG__CU_WIDTH / 32);
    double *const sums = (double *)r->work + 4 * r->n;
    const int64_t first = block * (TG__CU_WIDTH / r->lanes), items = r->n * r->pieces;
    TG__CU_THREADS(t) {
        const int64_t row = (first + t / r->lanes) / r->pieces;
        if (t % r->lanes || first + t / r->lanes >= items) continue;
        mean[t / r->lanes] = r->part ? (double)((const TG__T *)r->o[3].p)[tg__cu_norm_row(r, 3, row)] : r->kind == 1
            ? 0 : ((const double *)r->work)[4 * row];
    }
    TG__CU_BARRIER
    TG__CU(tg__cu_norm_gather)(r, block, (int)r->whole[4], mean, s, d);
    TG__CU_THREADS(t) if (t % r->lanes == 0 && first + t / r->lanes < items) {
        sums[2 * (first + t / r->lanes)] = s[t]; sums[2 * (first + t / r->lanes) + 1] = d[t];
    }
}
TG__INLINE void TG__CU(tg__cu_norm_joined)(const tg__cu_walk *r, int64_t row) {
    const double *const sums = (const double *)r->work + 4 * r->n + 2 * row * r->pieces;
    double s = 0, d = 0;
    for (int64_t q = 0; q < r->pieces; q++) { s += sums[2 * q]; d += sums[2 * q + 1]; }
    TG__CU(tg__cu_norm_settle)(r, row, (int)r->whole[4], s, d);
}
/* Gradients of weights that all rows share: whole[3] parts of whole[2] rows, a thread to a column; then the parts. */
TG__INLINE void TG__CU(tg__cu_norm_column)(const tg__cu_walk *r, int64_t item) {
    const int64_t q = item / r->length, i = item - q * r->length, end = (q + 1) * r->whole[2] < r->n ? (q + 1) * r->whole[2] : r->n;
    double *const sums = (double *)r->work + 4 * r->n + 2 * r->n * r->pieces + 2 * item, *const own = (double *)r->work;
    double dw = 0, db = 0;
    for (int64_t row = q * r->whole[2]; row < end; row++) {
        const double g = (double)TG__CU_GET(6, tg__cu_norm_row(r, 6, row), i);
        dw += g * (((double)TG__CU_GET(4, tg__cu_norm_row(r, 4, row), i) - own[4 * row]) * own[4 * row + 1]); db += g;
    }
    sums[0] = dw; sums[1] = db;
}
TG__INLINE void TG__CU(tg__cu_norm_columns)(const tg__cu_walk *r, int64_t i) {
    const double *const sums = (const double *)r->work + 4 * r->n + 2 * r->n * r->pieces + 2 * i;
    double dw = 0, db = 0;
    for (int64_t q = 0; q < r->whole[3]; q++) { dw += sums[2 * q * r->length]; db += sums[2 * q * r->length + 1]; }
    if (r->o[1].p) TG__CU(tg__cu_put)(TG__CU_D(1), r->o[1].p, tg__cu_norm_at(r, 1, i), (TG__T)dw);
    if (r->o[2].p) TG__CU(tg__cu_put)(TG__CU_D(2), r->o[2].p, tg__cu_norm_at(r, 2, i), (TG__T)db);
}
#undef TG__CU_GET
TG__CU_KERNEL(TG__CU(tg__cu_norm), tg__cu_walk, TG__CU(tg__cu_norm_whole)(r, block, 0))
TG__CU_KERNEL(TG__CU(tg__cu_norm_back), tg__cu_walk, TG__CU(tg__cu_norm_whole)(r, block, 1))
TG__CU_KERNEL(TG__CU(tg__cu_norm_pieces), tg__cu_walk, TG__CU(tg__cu_norm_piece)(r, block))
TG__CU_KERNEL(TG__CU(tg__cu_norm_join), tg__cu_walk, { TG__CU_THREADS(t) TG__CU_EACH(i) TG__CU(tg__cu_norm_joined)(r, i); })
TG__CU_KERNEL(TG__CU(tg__cu_norm_apply), tg__cu_walk,
    { TG__CU_THREADS(t) TG__CU_UP_TO(i, r->n * r->length) TG__CU(tg__cu_norm_element)(r, i / r->length, i % r->length); })
TG__CU_KERNEL(TG__CU(tg__cu_norm_weights), tg__cu_walk,
    { TG__CU_THREADS(t) TG__CU_UP_TO(i, r->length * r->whole[3]) TG__CU(tg__cu_norm_column)(r, i); })
TG__CU_KERNEL(TG__CU(tg__cu_norm_weights_join), tg__cu_walk,
    { TG__CU_THREADS(t) TG__CU_UP_TO(i, r->length) TG__CU(tg__cu_norm_columns)(r, i); })
#endif

#if !defined(TG__CU_ONLY) || defined(TG__CU_ONLY_POOL)
/* ---- pool: a thread for each element of the result. part: 1, windows by the sizes; 2, means do not count the padding;
   4, the order for channels that lie side by side, which is row-major: else the rows of a window are added up first ---- */
#ifndef TG__CU_WINDOW
#define TG__CU_WINDOW
typedef struct tg__cu_window { int64_t start, end, step, full, in; } tg__cu_window;      /* the places of x that an output reads */
TG__INLINE int64_t tg__cu_up(int64_t a, int64_t b) { return (a + b - 1) / b; }
TG__INLINE tg__cu_window tg__cu_window_of(const tg__cu_walk *r, int d, int64_t o, int64_t in, int64_t out) {
    const int64_t stride = r->whole[3 + d], padding = r->whole[6 + d], dilation = r->whole[9 + d];
    tg__cu_window w;
    w.in = in; w.step = r->part & 1 ? 1 : dilation;
    if (r->part & 1) {
        w.start = o * in / out; w.end = tg__cu_up((o + 1) * in, out);
        w.full = w.end - w.start;
        return w;
    }
    w.start = o * stride - padding; w.end = w.start + (r->whole[d] - 1) * dilation + 1;
    w.full = (w.end < in + padding ? w.end : in + padding) - w.start;
    if (w.start < 0) w.start += tg__cu_up(-w.start, dilation) * dilation;
    if (w.end > in) w.end = in;
    return w;
}
/* The outputs that may read place i of x: first to last. */
TG__INLINE void tg__cu_readers_of(const tg__cu_walk *r, int d, int64_t i, int64_t in, int64_t out, int64_t *first, int64_t *last) {
    const int64_t stride = r->whole[3 + d], reach = i + r->whole[6 + d], wide = (r->whole[d] - 1) * r->whole[9 + d] + 1;
    if (r->part & 1) { *first = i * out / in; *last = tg__cu_up((i + 1) * out, in) - 1; return; }
    *first = reach < wide ? 0 : (reach - wide) / stride + 1;
    *last = reach / stride < out - 1 ? reach / stride : out - 1;
}
TG__INLINE int64_t tg__cu_counted(const tg__cu_walk *r, const tg__cu_window *w) { return r->part & 2 ? w->end - w->start : w->full; }
#endif
#undef TG__CU_LINE
#define TG__CU_LINE(w, i) for (int64_t i = (w).start; i < (w).end; i += (w).step)
#define TG__CU_PICTURE(k) (p[0] * r->o[k].stride[0] + p[1] * r->o[k].stride[1])
#define TG__CU_PIXEL(k, at, d, h, w) TG__CU(tg__cu_get)(TG__CU_D(k), r->o[k].p, (at) + (d) * r->o[k].stride[2] + (h) * r->o[k].stride[3] + (w) * r->o[k].stride[4])
TG__INLINE void TG__CU(tg__cu_pooled)(const tg__cu_walk *r, int64_t i) {
    TG__CU_POSITION
    const int mean = r->kind == 1;
    const int64_t x = TG__CU_PICTURE(2);
    tg__cu_window w[3];
    int64_t place = 0;
    int d;
    for (d = 0; d < 3; d++) {
        w[d] = tg__cu_window_of(r, d, p[2 + d], r->o[2].size[2 + d], r->shape[2 + d]);
        place = place * w[d].in + (w[d].start < w[d].in - 1 ? w[d].start : w[d].in - 1);
    }
#if TG__CU_TYPE == 0
    int64_t v = mean ? 0 : INT64_MIN;
#else
    TG__T v = mean ? 0 : -TG__CU_FROM(tg__double(0x7ff0000000000000u));
    if (mean && !(r->part & 4)) { TG__CU_LINE(w[2], c) {
        TG__T column = 0;
        int none = 1;
        TG__CU_LINE(w[0], a) TG__CU_LINE(w[1], b) { const TG__T e = TG__CU_PIXEL(2, x, a, b, c); column = none ? e : column + e; none = 0; }
        if (!none) v += column;
    } } else
#endif
    TG__CU_LINE(w[0], a) TG__CU_LINE(w[1], b) TG__CU_LINE(w[2], c) {
        const TG__T e = TG__CU_PIXEL(2, x, a, b, c);
        if (mean) { v += e; continue; }
        if (e > v || e != e) { v = e; place = (a * w[1].in + b) * w[2].in + c; }
    }
#if TG__CU_TYPE != 0
    if (mean)
        v /= (TG__T)(r->numbers[0] != 0 ? r->numbers[0] : (double)(tg__cu_counted(r, &w[0]) * tg__cu_counted(r,
            &w[1]) * tg__cu_counted(r, &w[2])));
#endif
    TG__CU(tg__cu_put)(TG__CU_D(0), r->o[0].p, TG__CU_TO(0), v);
    if (r->o[1].p) ((int64_t *)r->o[1].p)[TG__CU_TO(1)] = place;
}
TG__CU_KERNEL(TG__CU(tg__cu_pool), tg__cu_walk, { TG__CU_THREADS(t) TG__CU_EACH(i) TG__CU(tg__cu_pooled)(r, i); })
#if TG__CU_TYPE != 0
/* Is place p the first of the window's elements that equals its result? */
TG__INLINE int TG__CU(tg__cu_is_first)(const tg__cu_walk *r, const int64_t *p, const tg__cu_window *w, TG__T top) {
    const int64_t x = TG__CU_PICTURE(3);
    const TG__T own = TG__CU_PIXEL(3, x, p[2], p[3], p[4]);
    int d;
    for (d = 0; d < 3; d++) if (p[2 + d] < w[d].start || p[2 + d] >= w[d].end || (p[2 + d] - w[d].start) % w[d].step) return 0;
    if (own != top && !(own != own && top != top)) return 0;
    TG__CU_LINE(w[0], a) TG__CU_LINE(w[1], b) TG__CU_LINE(w[2], c) {
        const TG__T e = TG__CU_PIXEL(3, x, a, b, c);
        if (a == p[2] && b == p[3] && c == p[4]) return 1;
        if (e == top || (e != e && top != top)) return 0;
    }
    return 0;
}
/* The gradient of one element of x: what the outputs that read it hand back; of means a part, of the largest all to the first. */
TG__INLINE void TG__CU(tg__cu_pool_returned)(const tg__cu_walk *r, int64_t i, int largest) {
    TG__CU_POSITION
    const int64_t g = TG__CU_PICTURE(2), y = TG__CU_PICTURE(4);
    const int forward = (r->part & 5) != 0;                               /* else the CPU takes the outputs of a line from the last on */
    int64_t first[3], last[3], a, b, k;
    TG__T v = 0;
    int d;
    for (d = 0; d < 3; d++) tg__cu_readers_of(r, d, p[2 + d], r->shape[2 + d], r->o[2].size[2 + d], &first[d], &last[d]);
    for (a = first[0]; a <= last[0]; a++) for (b = first[1]; b <= last[1]; b++) for (k = first[2]; k <= last[2]; k++) {
        const int64_t c = forward ? k : first[2] + last[2] - k, o[3] = { a, b, c };
        tg__cu_window w[3];
        TG__T part;
        for (d = 0; d < 3; d++) w[d] = tg__cu_window_of(r, d, o[d], r->shape[2 + d], r->o[2].size[2 + d]);
        if (largest && !TG__CU(tg__cu_is_first)(r, p, w, TG__CU_PIXEL(4, y, a, b, c))) continue;
        part = TG__CU_PIXEL(2, g, a, b, c);
        if (!largest)
            part /= (TG__T)(r->numbers[0] != 0 ? r->numbers[0] : (double)(tg__cu_counted(r, &w[0]) * tg__cu_counted(r,
                &w[1])) * (double)tg__cu_counted(r, &w[2]));
        v += part;
    }
    TG__CU(tg__cu_put)(TG__CU_D(0), r->o[0].p, TG__CU_TO(0), v);
}
TG__CU_KERNEL(TG__CU(tg__cu_pool_back), tg__cu_walk, { TG__CU_THREADS(t) TG__CU_EACH(i) TG__CU(tg__cu_pool_returned)(r, i, 0); })
TG__CU_KERNEL(TG__CU(tg__cu_pool_claim), tg__cu_walk, { TG__CU_THREADS(t) TG__CU_EACH(i) TG__CU(tg__cu_pool_returned)(r, i, 1); })
#endif
#undef TG__CU_PICTURE
#undef TG__CU_PIXEL
#endif

#if !defined(TG__CU_ONLY) || defined(TG__CU_ONLY_ATTENTION_MATRIX)
/* ---- matrix units: the words of a warp, for a device and for a host ----
   A warp of 32 threads multiplies [16, 16] halves by [16, 8] halves and adds the product to [16, 8] floats (mma.m16n8k16,
   compute capability 8.0). Thread l of the warp keeps, with g = l / 4 and c = l % 4 * 2, two halves to a register:
     a, 4 registers   i: row g + i % 2 * 8, columns c + i / 2 * 8 and the next
     b, 2 registers   i: rows c + i * 8 and the next, column g
     sums, 4 floats   i: row g + i / 2 * 8, column c + i % 2
   so that two sums side by side, packed, are half a register pair of the next product's a: what is multiplied twice need
   not leave the registers. The words are called outside of the loops over threads, with what is TG__CU_OWN:
     TG__CU_MMA(dtype, sums, at, a, from, b, of)   sums[at...] += a[from...] b[of...]
     TG__CU_FRAGMENT(f, at, tile, stride, row, rows, column, across, turned)
                     f[at...], 4 registers, from the 16 x 16 halves of a tile in shared memory at (row + warp * rows, column),
                     as four of 8 x 8 (ldmatrix): down and then to the right, an a; across: to the right and then down, two
                     b's of which each has its columns as rows of the tile; turned: each of the four is transposed, and down
                     first makes two b's that stand in the tile as they are
     TG__CU_QUAD_MAX(v, at), TG__CU_QUAD_SUM(v, at)   over the four threads of a row, which all get it
   and by each thread
     tg__cu_copy_16(to, from, bytes)   16 bytes into shared memory, of which those behind `bytes` become 0; they come later:
     TG__CU_ARRIVED  waits for those that this thread asked for; others see them after the barrier behind it
     tg__cu_pack(dtype, low, high), tg__cu_exp2(v)
   On a host copies do come later, at TG__CU_ARRIVED, and what stands there until then is NaN: a kernel that reads too
   early has wrong numbers. A product's sixteen terms are added in double there; matrix units add them in an order and with
   a rounding of their own, of which NVIDIA says nothing: at least as f32 does, but other GPUs may give other bits. */
#if !defined(TG__CU_HAS_MATRIX)
#if !defined(__CUDACC__)
#define TG__CU_HAS_MATRIX 1
#elif defined(__CUDA_ARCH__)
#define TG__CU_HAS_MATRIX (__CUDA_ARCH__ >= 800)
#else
#define TG__CU_HAS_MATRIX 0
#endif
#if defined(__CUDACC__) && TG__CU_HAS_MATRIX
#define TG__CU_SHARED_16(name, n) __shared__ __align__(16) uint16_t name[n]
#define TG__CU_MMA(dtype, sums, at, a, from, b, of) tg__cu_mma(dtype, &(sums)[at], &(a)[from], &(b)[of])
#define TG__CU_FRAGMENT(f, at, tile, stride, row, rows, column, across, turned) tg__cu_fragment(&(f)[at], tile, stride, row, rows, column, across, turned)
#define TG__CU_QUAD_MAX(v, at) { (v)[at] = fmaxf((v)[at], __shfl_xor_sync(0xffffffffu, (v)[at], 1)); (v)[at] = fmaxf((v)[at], __shfl_xor_sync(0xffffffffu, (v)[at], 2)); }
#define TG__CU_QUAD_SUM(v, at) { (v)[at] += __shfl_xor_sync(0xffffffffu, (v)[at], 1); (v)[at] += __shfl_xor_sync(0xffffffffu, (v)[at], 2); }
#define TG__CU_ARRIVED asm volatile("cp.async.wait_all;" ::: "memory");
TG__INLINE void tg__cu_mma(int dtype, float *sums, const uint32_t *a, const uint32_t *b) {
    if (dtype == 2)
        asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
    else asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
TG__INLINE void tg__cu_fragment(uint32_t *f, const uint16_t *tile, int stride, int row, int rows, int column, int across, int turned) {
    /* threads 8 i, 8 i + 1, ... tell the rows of the i-th of the four */
    const int lane = (int)threadIdx.x % 32, down = across ? lane / 16 : lane / 8 % 2, right = across ? lane / 8 % 2 : lane / 16;
    const uint32_t at = (uint32_t)__cvta_generic_to_shared(tile + ((int)threadIdx.x / 32 * rows + down * 8
        + lane % 8) * stride + right * 8) + (uint32_t)(row * stride + column) * 2;
    if (turned)
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];" : "=r"(f[0]),
            "=r"(f[1]), "=r"(f[2]), "=r"(f[3]) : "r"(at) : "memory");
    else
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];" : "=r"(f[0]), "=r"(f[1]),
            "=r"(f[2]), "=r"(f[3]) : "r"(at) : "memory");
}
TG__INLINE void tg__cu_copy_16(uint16_t *to, const uint16_t *from, int bytes) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" :: "r"((uint32_t)__cvta_generic_to_shared(to)),
        "l"(from), "r"(bytes) : "memory");
}
TG__INLINE uint32_t tg__cu_pack(int dtype, float low, float high) {
    uint32_t v;
    if (dtype == 2) asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(v) : "f"(high), "f"(low));
    else asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(v) : "f"(high), "f"(low));
    return v;
}
/* to 2 units of the last place; halves keep 8 or 11 bits of it */
TG__INLINE float tg__cu_exp2(float v) { float y; asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(v)); return y; }
#elif !defined(__CUDACC__)
#define TG__CU_SHARED_16(name, n) TG__CU_SHARED(uint16_t, name, n)
#define TG__CU_SPAN(v) ((int)(sizeof (v)[0] / sizeof (v)[0][0]))
#define TG__CU_MMA(dtype, sums, at, a, from, b, of) tg__cu_mma(dtype, &(sums)[0][at], TG__CU_SPAN(sums), &(a)[0][from], TG__CU_SPAN(a), &(b)[0][of], TG__CU_SPAN(b))
#define TG__CU_FRAGMENT(f, at, tile, stride, row, rows, column, across, turned) tg__cu_fragment(&(f)[0][at], TG__CU_SPAN(f), tile, stride, row, rows, column, across, turned)
#define TG__CU_QUAD_MAX(v, at) { for (int t = 0; t < TG__CU_WIDTH; t += 4) (v)[t][at] = (v)[t + 1][at] = (v)[t + 2][at] = (v)[t + 3][at] = fmaxf(fmaxf((v)[t][at], (v)[t + 1][at]), fmaxf((v)[t + 2][at], (v)[t + 3][at])); }
#define TG__CU_QUAD_SUM(v, at) { for (int t = 0; t < TG__CU_WIDTH; t += 4) (v)[t][at] = (v)[t + 1][at] = (v)[t + 2][at] = (v)[t + 3][at] = ((v)[t][at] + (v)[t + 1][at]) + ((v)[t + 2][at] + (v)[t + 3][at]); }
#define TG__CU_ARRIVED tg__cu_arrive();
static float tg__cu_half_of(int dtype, uint32_t bits) { return dtype == 2 ? tg__from_half((uint16_t)bits) : tg__float(bits << 16); }
static void tg__cu_mma(int dtype, float *sums, int sums_span, const uint32_t *a, int a_span, const uint32_t *b, int b_span) {
    for (int warp = 0; warp < TG__CU_WIDTH / 32; warp++) {
        float left[16][16], right[8][16];
        for (int l = 0; l < 32; l++) {
            const int t = warp * 32 + l, g = l / 4, c = l % 4 * 2;
            for (int i = 0; i < 8; i++)
                left[g + i / 2 % 2 * 8][c + i / 4 * 8 + i % 2] = tg__cu_half_of(dtype, a[t * a_span + i / 2] >> i % 2 * 16 & 0xffffu);
            for (int i = 0; i < 4; i++)
                right[g][c + i / 2 * 8 + i % 2] = tg__cu_half_of(dtype, b[t * b_span + i / 2] >> i % 2 * 16 & 0xffffu);
        }
        for (int l = 0; l < 32; l++) for (int i = 0; i < 4; i++) {
            const float *const x = left[l / 4 + i / 2 * 8], *const y = right[l % 4 * 2 + i % 2];
            float *const to = &sums[(warp * 32 + l) * sums_span + i];
            double v = 0;
            for (int k = 0; k < 16; k++) v += (double)x[k] * (double)y[k];
            *to = (float)((double)*to + v);
        }
    }
}
static void tg__cu_fragment(uint32_t *f, int span, const uint16_t *tile, int stride, int row, int rows, int column,
    int across, int turned) {
    TG__CU_THREADS(t) for (int i = 0; i < 4; i++) {
        const int down = across ? i / 2 : i % 2, right = across ? i % 2 : i / 2, g = t % 32 / 4, c = t % 4 * 2;
        const uint16_t *const p = tile + (row + t / 32 * rows + down * 8) * stride + column + right * 8;
        f[t * span + i] = turned ? p[c * stride + g] | (uint32_t)p[(c + 1) * stride + g] << 16 : p[g * stride + c]
            | (uint32_t)p[g * stride + c + 1] << 16;
    }
}
enum { TG__CU_LATE = 8192 };
typedef struct tg__cu_late { uint16_t *to; const uint16_t *from; int bytes, who; } tg__cu_late;
/* of the emulation alone, which runs one block at a time */
static struct { tg__cu_late at[TG__CU_LATE]; int n; } tg__cu_lates;
static void tg__cu_arrive(void) {
    for (int i = 0; i < tg__cu_lates.n; i++) {
        const tg__cu_late *const l = &tg__cu_lates.at[i];
        TG__CU_AS(l->who)
        for (int k = 0; k < 8; k++) l->to[k] = k < l->bytes / 2 ? l->from[k] : 0;
    }
    TG__CU_AS(-1)
    tg__cu_lates.n = 0;
}
static void tg__cu_copy_16(uint16_t *to, const uint16_t *from, int bytes) {
    const int who = TG__CU_WHO;
    tg__cu_late *l;
    if (tg__cu_lates.n == TG__CU_LATE) { tg__cu_arrive(); TG__CU_AS(who) }
    l = &tg__cu_lates.at[tg__cu_lates.n++];
    l->to = to; l->from = from; l->bytes = bytes; l->who = who;
    for (int k = 0; k < 8; k++) to[k] = 0xffffu;
}
static uint32_t tg__cu_pack(int dtype, float low, float high) {
    return dtype == 2 ? tg__to_half(low) | (uint32_t)tg__to_half(high) << 16 : tg__to_bf16(low) | (uint32_t)tg__to_bf16(high) << 16;
}
static float tg__cu_exp2(float v) { return exp2f(v); }
#endif
#endif
#endif

#if !defined(TG__CU_ONLY) || defined(TG__CU_ONLY_ATTENTION) || defined(TG__CU_ONLY_ATTENTION_MATRIX)
#ifndef TG__CU_AT
#define TG__CU_AT
enum { TG__CU_ROW = 32, TG__CU_ROOM = 32 * 33 };
/* A block's place: which rows and columns of a head's result. Operands of a request and of a derivative: q, k, v, ... */
typedef struct tg__cu_head { int64_t b, h, row, column; } tg__cu_head;
#define TG__CU_Q(back) ((back) ? 3 : 2)
#define TG__CU_REST(back) ((back) ? 8 : 1)
TG__INLINE tg__cu_head tg__cu_head_of(int64_t block, const int64_t *size, int wide) {
    const int64_t rows = (size[2] + 31) / 32, columns = (size[3] + wide - 1) / wide;
    tg__cu_head a;
    a.row = block % rows * 32; block /= rows;
    a.column = block % columns * wide; block /= columns;
    a.h = block % size[1]; a.b = block / size[1];
    return a;
}
TG__INLINE int64_t tg__cu_head_at(const tg__cu_walk *r, int k, int64_t b, int64_t h) {
    return b * r->o[k].stride[0] + h * r->o[k].stride[1];
}
#endif
#endif

#if (!defined(TG__CU_ONLY) || defined(TG__CU_ONLY_ATTENTION)) && TG__CU_TYPE != 0
/* ---- attention: tiles of 32 x 32 scores, four to a thread (row t / 8, columns t % 8, + 8, ...), which are never stored ---- */
#undef TG__CU_AE
#define TG__CU_AE (TG__CU_TYPE == 32 ? 128 : 64)                      /* columns of a result that a block makes */
/* Rows of operand a times rows of operand b, over n columns. */
TG__INLINE void TG__CU(tg__cu_tile_dots)(const tg__cu_walk *r, int a, int64_t a_at, int64_t a_row, int b,
    int64_t b_at, int64_t b_row, int64_t n, TG__T *as, TG__T *bs, TG__CU_OWN(TG__T, dot, 4)) {
    int64_t d0;
    TG__CU_THREADS(t) { TG__CU_UNROLL for (int c = 0; c < 4; c++) TG__CU_MY(dot, t)[c] = 0; }
    for (d0 = 0; d0 < n; d0 += 32) {
        TG__CU_THREADS(t) for (int e = t; e < 1024; e += TG__CU_WIDTH) {
            const int i = e / 32, d = e % 32;
            as[i * 33 + d] = d0 + d < n && a_row + i < r->o[a].size[2] ? TG__CU(tg__cu_get)(TG__CU_D(a), r->o[a].p,
                a_at + (a_row + i) * r->o[a].stride[2] + (d0 + d) * r->o[a].stride[3]) : 0;
            bs[i * 33 + d] = d0 + d < n && b_row + i < r->o[b].size[2] ? TG__CU(tg__cu_get)(TG__CU_D(b), r->o[b].p,
                b_at + (b_row + i) * r->o[b].stride[2] + (d0 + d) * r->o[b].stride[3]) : 0;
        }
        TG__CU_BARRIER
        TG__CU_THREADS(t) for (int d = 0; d < 32; d++) {
            const TG__T v = as[t / 8 * 33 + d];
            TG__CU_UNROLL for (int c = 0; c < 4; c++) TG__CU_MY(dot, t)[c] =
                TG__W(fma)(v, bs[(t % 8 + 8 * c) * 33 + d], TG__CU_MY(dot, t)[c]);
        }
        TG__CU_BARRIER
    }
}
/* out += tile times 32 rows of an operand: row t / 8 of out, columns t % 8, + 8, ... */
TG__INLINE void TG__CU(tg__cu_tile_times)(const tg__cu_walk *r, const TG__T *tile, int v, int64_t v_at, int64_t row,
    int64_t column, TG__T *vs, TG__CU_OWN(TG__T, out, TG__CU_AE / 8)) {
    TG__CU_THREADS(t) for (int e = t; e < 32 * TG__CU_AE; e += TG__CU_WIDTH) {
        const int j = e / TG__CU_AE, c = e % TG__CU_AE;
        vs[e] = row + j < r->o[v].size[2] && column + c < r->o[v].size[3] ? TG__CU(tg__cu_get)(TG__CU_D(v), r->o[v].p,
            v_at + (row + j) * r->o[v].stride[2] + (column + c) * r->o[v].stride[3]) : 0;
    }
    TG__CU_BARRIER
    TG__CU_THREADS(t) for (int j = 0; j < 32; j++) {
        const TG__T p = tile[t / 8 * 33 + j];
        TG__CU_UNROLL for (int c = 0; c < TG__CU_AE / 8; c++) TG__CU_MY(out, t)[c] =
            TG__W(fma)(p, vs[j * TG__CU_AE + t % 8 + 8 * c], TG__CU_MY(out, t)[c]);
    }
    TG__CU_BARRIER
}
TG__INLINE void TG__CU(tg__cu_tile_put)(const tg__cu_walk *r, int y, const tg__cu_head *a, TG__CU_OWN(TG__T, out, TG__CU_AE / 8)) {
    TG__CU_THREADS(t) TG__CU_UNROLL for (int c = 0; c < TG__CU_AE / 8; c++) {
        const int64_t row = a->row + t / 8, column = a->column + t % 8 + 8 * c;
        if (row < r->o[y].size[2] && column < r->o[y].size[3])
            TG__CU(tg__cu_put)(TG__CU_D(y), r->o[y].p,
                tg__cu_head_at(r, y, a->b, a->h) + row * r->o[y].stride[2] + column * r->o[y].stride[3],
                TG__CU_MY(out, t)[c]);
    }
}
/* The score of a query and a key from their product; -inf where the key is not seen. */
TG__INLINE TG__T TG__CU(tg__cu_score)(const tg__cu_walk *r, int back, int64_t b, int64_t h, int64_t q, int64_t k, TG__T dot) {
    const int mask = TG__CU_Q(back) + 3;
    const TG__T none = -TG__CU_FROM(tg__double(0x7ff0000000000000u)), v = dot * (TG__T)r->numbers[0];
    int64_t at;
    if (q >= r->o[TG__CU_Q(back)].size[2] || k >= r->o[TG__CU_Q(back) + 1].size[2] || (r->whole[0] && k > q)) return none;
    if (!r->o[mask].p) return v;
    at = tg__cu_head_at(r, mask, b, h) + q * r->o[mask].stride[2] + k * r->o[mask].stride[3];
    if (TG__CU_D(mask) == 9) return ((const uint8_t *)r->o[mask].p)[at] ? v : none;
    return v + TG__CU(tg__cu_get)(TG__CU_D(mask), r->o[mask].p, at);
}
/* Dropout's factor: element (b, h, q, k) of [B, H, Tq, Tk], as RANDOM_KEEP draws it. Inlined it costs all callers their registers. */
TG__NOINLINE TG__T TG__CU(tg__cu_kept)(const tg__cu_walk *r, int back, int64_t b, int64_t h, int64_t q, int64_t k) {
    const tg__cu_view *const o = &r->o[TG__CU_Q(back)];
    const uint64_t at = (uint64_t)(((b * o->size[1] + h) * o->size[2] + q) * r->o[TG__CU_Q(back) + 1].size[2] + k);
    const double p = r->numbers[1];
    uint32_t w[4];
    if (p == 0) return 1;
#if TG__CU_TYPE == 32
    tg__cu_philox(at / 4, (uint64_t)r->whole[1], (uint64_t)r->whole[2], w);
    return (float)(int32_t)((at & 2 ? (at & 1 ? w[3] : w[2]) : at & 1 ? w[1]
        : w[0]) >> 8) * 5.9604644775390625e-8f < (float)p ? 0 : (float)(p < 1 ? 1 / (1 - p) : 0);
#else
    tg__cu_philox(at / 2, (uint64_t)r->whole[1], (uint64_t)r->whole[2], w);
    return (double)(((uint64_t)(at & 1 ? w[3] : w[1]) << 32
        | (at & 1 ? w[2] : w[0])) >> 11) * 1.1102230246251565e-16 < p ? 0 : p < 1 ? 1 / (1 - p) : 0;
#endif
}
/* 32 queries: through the keys, tile by tile; what was summed before shrinks when a larger score comes. */
TG__INLINE void TG__CU(tg__cu_attended)(const tg__cu_walk *r, int64_t block) {
    TG__CU_SHARED(TG__T, as, TG__CU_ROOM);
    TG__CU_SHARED(TG__T, bs, TG__CU_ROOM);
    TG__CU_SHARED(TG__T, tile, TG__CU_ROOM);
    TG__CU_SHARED(TG__T, vs, 32 * TG__CU_AE);
    TG__CU_SHARED(TG__T, found, TG__CU_WIDTH);
    TG__CU_SHARED(TG__T, sums, TG__CU_WIDTH);
    TG__CU_SHARED(TG__T, top, TG__CU_ROW);
    TG__CU_SHARED(TG__T, sum, TG__CU_ROW);
    TG__CU_OWN(TG__T, dot, 4);
    TG__CU_OWN(TG__T, out, TG__CU_AE / 8);
    TG__CU_OWN(TG__T, state, 2);                                          /* the largest score; by how much what is there shrinks */
    const tg__cu_head a = tg__cu_head_of(block, r->o[0].size, TG__CU_AE);
    const int64_t hk = a.h / (r->o[2].size[1] / r->o[3].size[1]), keys = r->o[3].size[2], end = r->whole[0] &&
        a.row + 32 < keys ? a.row + 32 : keys;
    const TG__T none = -TG__CU_FROM(tg__double(0x7ff0000000000000u));
    int64_t k0;
    TG__CU_THREADS(t) {
        TG__CU_UNROLL for (int c = 0; c < TG__CU_AE / 8; c++) TG__CU_MY(out, t)[c] = 0;
        if (t < TG__CU_ROW) { top[t] = none; sum[t] = 0; }
    }
    for (k0 = 0; k0 < end; k0 += 32) {
        TG__CU(tg__cu_tile_dots)(r, 2, tg__cu_head_at(r, 2, a.b, a.h), a.row, 3, tg__cu_head_at(r, 3, a.b, hk), k0,
            r->o[2].size[3], as, bs, dot);
        TG__CU_THREADS(t) {
            TG__T m = none;
            TG__CU_UNROLL for (int c = 0; c < 4; c++) {
                TG__CU_MY(dot, t)[c] = TG__CU(tg__cu_score)(r, 0, a.b, a.h, a.row + t / 8, k0 + t % 8 + 8 * c, TG__CU_MY(dot, t)[c]);
                m = TG__W(maxn)(m, TG__CU_MY(dot, t)[c]);
            }
            found[t] = m;
        }
        TG__CU_BARRIER
        TG__CU_THREADS(t) {
            TG__T m = top[t / 8], own = 0;
            for (int c = 0; c < 8; c++) m = TG__W(maxn)(m, found[t / 8 * 8 + c]);
            TG__CU_MY(state, t)[0] = m;
            TG__CU_MY(state, t)[1] = top[t / 8] == none ? 0 : TG__W(exp)(top[t / 8] - m);
            TG__CU_UNROLL for (int c = 0; c < 4; c++) {
                const TG__T p = m == none ? 0 : TG__W(exp)(TG__CU_MY(dot, t)[c] - m);
                own += p;
                tile[t / 8 * 33 + t % 8 + 8 * c] = p * TG__CU(tg__cu_kept)(r, 0, a.b, a.h, a.row + t / 8, k0 + t % 8 + 8 * c);
            }
            sums[t] = own;
            TG__CU_UNROLL for (int c = 0; c < TG__CU_AE / 8; c++) TG__CU_MY(out, t)[c] *= TG__CU_MY(state, t)[1];
        }
        TG__CU_BARRIER
        TG__CU_THREADS(t) if (t % 8 == 0) {
            TG__T v = 0;
            for (int c = 0; c < 8; c++) v += sums[t + c];
            sum[t / 8] = sum[t / 8] * TG__CU_MY(state, t)[1] + v; top[t / 8] = TG__CU_MY(state, t)[0];
        }
        TG__CU(tg__cu_tile_times)(r, tile, 4, tg__cu_head_at(r, 4, a.b, hk), k0, a.column, vs, out);
    }
    TG__CU_BARRIER
    TG__CU_THREADS(t) {
        const TG__T s = sum[t / 8], inverse = s == 0 ? 0 : 1 / s;
        const int64_t at = (a.b * r->o[2].size[1] + a.h) * r->o[2].size[2] + a.row + t / 8;
        TG__CU_UNROLL for (int c = 0; c < TG__CU_AE / 8; c++) TG__CU_MY(out, t)[c] *= inverse;
        if (t % 8 || a.column || a.row + t / 8 >= r->o[2].size[2]) continue;
        ((TG__T *)r->o[1].p)[at] = s == 0 ? -none : top[t / 8];
        ((TG__T *)r->o[1].p)[r->n + at] = inverse;
    }
    TG__CU(tg__cu_tile_put)(r, 0, &a, out);
}
/* Of each query the sum of g * y. */
TG__INLINE void TG__CU(tg__cu_delta)(const tg__cu_walk *r, int64_t i) {
    const int64_t q = i % r->o[3].size[2], h = i / r->o[3].size[2] % r->o[3].size[1], b = i / r->o[3].size[2] / r->o[3].size[1];
    const int64_t y = tg__cu_head_at(r, 7, b, h) + q * r->o[7].stride[2], g = tg__cu_head_at(r, 9, b, h) + q * r->o[9].stride[2];
    TG__T v = 0;
    for (int64_t e = 0; e < r->o[9].size[3]; e++)
        v = TG__W(fma)(TG__CU(tg__cu_get)(TG__CU_D(7), r->o[7].p, y + e * r->o[7].stride[3]),
            TG__CU(tg__cu_get)(TG__CU_D(9), r->o[9].p, g + e * r->o[9].stride[3]), v);
    ((TG__T *)r->work)[i] = v;
}
/* 32 rows of dq (which 0), dk (1) or dv (2): of queries through the keys, else of keys through the queries of their heads. A
   tile holds p, or its derivative by the scores. */
TG__INLINE void TG__CU(tg__cu_attend_back)(const tg__cu_walk *r, int64_t block, int which) {
    TG__CU_SHARED(TG__T, as, TG__CU_ROOM);
    TG__CU_SHARED(TG__T, bs, TG__CU_ROOM);
    TG__CU_SHARED(TG__T, tile, TG__CU_ROOM);
    TG__CU_SHARED(TG__T, vs, 32 * TG__CU_AE);
    TG__CU_OWN(TG__T, dot, 4);
    TG__CU_OWN(TG__T, slope, 4);
    TG__CU_OWN(TG__T, out, TG__CU_AE / 8);
    const tg__cu_head a = tg__cu_head_of(block, r->o[which].size, TG__CU_AE);
    const int64_t heads = r->o[3].size[1], group = heads / r->o[4].size[1], queries = r->o[3].size[2], keys = r->o[4].size[2];
    const int64_t first = which == 0 || !r->whole[0] ? 0 : a.row, end = which ? queries : r->whole[0] &&
        a.row + 32 < keys ? a.row + 32 : keys;
    int64_t h, at;
    TG__CU_THREADS(t) { TG__CU_UNROLL for (int c = 0; c < TG__CU_AE / 8; c++) TG__CU_MY(out, t)[c] = 0; }
    for (h = which ? a.h * group : a.h; h < (which ? (a.h + 1) * group : a.h + 1); h++) for (at = first; at < end; at += 32) {
        const int64_t hk = h / group, q_at = tg__cu_head_at(r, 3, a.b, h), k_at = tg__cu_head_at(r, 4, a.b, hk),
            v_at = tg__cu_head_at(r, 5, a.b, hk), g_at = tg__cu_head_at(r, 9, a.b, h);
        if (which) TG__CU(tg__cu_tile_dots)(r, 4, k_at, a.row, 3, q_at, at, r->o[3].size[3], as, bs, dot);
        else TG__CU(tg__cu_tile_dots)(r, 3, q_at, a.row, 4, k_at, at, r->o[3].size[3], as, bs, dot);
        if (which == 1) TG__CU(tg__cu_tile_dots)(r, 5, v_at, a.row, 9, g_at, at, r->o[5].size[3], as, bs, slope);
        else if (which == 0) TG__CU(tg__cu_tile_dots)(r, 9, g_at, a.row, 5, v_at, at, r->o[5].size[3], as, bs, slope);
        TG__CU_THREADS(t) TG__CU_UNROLL for (int c = 0; c < 4; c++) {
            const int64_t row = a.row + t / 8, column = at + t % 8 + 8 * c, q = which ? column : row,
                k = which ? row : column, i = (a.b * heads + h) * queries + q;
            TG__T *const v = &tile[t / 8 * 33 + t % 8 + 8 * c], p, keep;
            *v = 0;
            if (q >= queries || k >= keys) continue;
            p = TG__CU(tg__cu_score)(r, 1, a.b, h, q, k, TG__CU_MY(dot, t)[c]);
            if (p == -TG__CU_FROM(tg__double(0x7ff0000000000000u))) continue;
            p = TG__W(exp)(p - ((const TG__T *)r->o[8].p)[i]) * ((const TG__T *)r->o[8].p)[r->n + i];
            keep = TG__CU(tg__cu_kept)(r, 1, a.b, h, q, k);
            *v = which == 2 ? p * keep : p * (TG__T)r->numbers[0] * (TG__CU_MY(slope, t)[c] * keep - ((const TG__T *)r->work)[i]);
        }
        TG__CU_BARRIER
        if (which == 0) TG__CU(tg__cu_tile_times)(r, tile, 4, k_at, at, a.column, vs, out);
        else if (which == 1) TG__CU(tg__cu_tile_times)(r, tile, 3, q_at, at, a.column, vs, out);
        else TG__CU(tg__cu_tile_times)(r, tile, 9, g_at, at, a.column, vs, out);
    }
    TG__CU(tg__cu_tile_put)(r, which, &a, out);
}
/* Column t of the result, and what a derivative reads of a head. */
TG__INLINE void TG__CU(tg__cu_one_put)(const tg__cu_walk *r, int64_t head, int t, TG__T v, TG__T top, TG__T sum) {
    const TG__T inverse = sum == 0 ? 0 : 1 / sum;
    const int64_t heads = r->o[2].size[1];
    if (t < r->o[0].size[3])
        TG__CU(tg__cu_put)(TG__CU_D(0), r->o[0].p, tg__cu_head_at(r, 0, head / heads, head % heads) + t * r->o[0].stride[3], v * inverse);
    if (t == 0) {
        ((TG__T *)r->o[1].p)[head] = sum == 0 ? TG__CU_FROM(tg__double(0x7ff0000000000000u)) : top;
        ((TG__T *)r->o[1].p)[r->n + head] = inverse;
    }
}
/* One query, 256 of its keys: a thread for each key's score, then for each column of some of the values. */
TG__INLINE void TG__CU(tg__cu_one)(const tg__cu_walk *r, int64_t block) {
    TG__CU_SHARED(TG__T, q, TG__CU_WIDE_HEAD);
    TG__CU_SHARED(TG__T, p, TG__CU_WIDTH);
    TG__CU_SHARED(TG__T, found, TG__CU_WIDTH);
    TG__CU_SHARED(TG__T, part, TG__CU_WIDTH);
    const int64_t piece = block % r->pieces, head = block / r->pieces, heads = r->o[2].size[1], b = head / heads,
        h = head % heads, hk = h / (heads / r->o[3].size[1]), first = piece * TG__CU_ONE_KEYS;
    const int64_t k_at = tg__cu_head_at(r, 3, b, hk), v_at = tg__cu_head_at(r, 4, b, hk), left = r->o[3].size[2] - first;
    const int depth = (int)r->o[2].size[3], columns = (int)r->o[0].size[3], keys = left < TG__CU_ONE_KEYS ? (int)left
        : (int)TG__CU_ONE_KEYS;
    const TG__T none = -TG__CU_FROM(tg__double(0x7ff0000000000000u));
    int wide = 1, half;
    while (wide < columns) wide *= 2;
    TG__CU_THREADS(t) for (int d = t; d < depth; d += TG__CU_WIDTH) q[d] = TG__CU(tg__cu_get)(TG__CU_D(2), r->o[2].p,
        tg__cu_head_at(r, 2, b, h) + d * r->o[2].stride[3]);
    TG__CU_BARRIER                                                        /* the query is there */
    TG__CU_THREADS(t) {
        const int64_t at = k_at + (first + t) * r->o[3].stride[2];
        TG__T v[8];                                                       /* sums of each eighth column: none waits for the one before */
        TG__CU_UNROLL for (int e = 0; e < 8; e++) v[e] = 0;
        if (t < keys && r->wide) for (int d = 0; d < depth; d += 8) {
            tg__cu_eight eight;
            tg__cu_eight_in(TG__CU_D(3), r->o[3].p, 1, at + d, &eight);
            TG__CU_UNROLL for (int e = 0; e < 8; e++) v[e] = TG__W(fma)(q[d + e],
                TG__CU(tg__cu_get)(TG__CU_D(3), (const char *)&eight, e), v[e]);
        }
        else if (t < keys) for (int d = 0; d < depth; d += 8)
            TG__CU_UNROLL for (int e = 0; e < 8; e++) if (d + e < depth) v[e] = TG__W(fma)(q[d + e],
                TG__CU(tg__cu_get)(TG__CU_D(3), r->o[3].p, at + (d + e) * r->o[3].stride[3]), v[e]);
        TG__CU_UNROLL for (int n = 4; n > 0; n /= 2) TG__CU_UNROLL for (int e = 0; e < n; e++) v[e] += v[e + n];
        p[t] = found[t] = TG__CU(tg__cu_score)(r, 0, b, h, 0, first + t, v[0]);
    }
    TG__CU_BARRIER                                                        /* the scores are there */
    for (half = TG__CU_WIDTH / 2; half > 0; half /= 2) {
        TG__CU_THREADS(t) if (t < half) found[t] = TG__W(maxn)(found[t], found[t + half]);
        TG__CU_BARRIER                                                    /* half as many candidates */
    }
    TG__CU_THREADS(t) p[t] = part[t] = found[0] == none ? 0 : TG__W(exp)(p[t] - found[0]);
    TG__CU_BARRIER                                                        /* what each key weighs */
    for (half = TG__CU_WIDTH / 2; half > 0; half /= 2) {
        TG__CU_THREADS(t) if (t < half) part[t] += part[t + half];
        TG__CU_BARRIER                                                    /* half as many sums; at last everybody may read the one */
    }
    TG__CU_THREADS(t) if (t == 0) q[0] = part[0];                         /* the sum: nobody reads the query again */
    TG__CU_BARRIER                                                        /* it was read before part is written */
    TG__CU_THREADS(t) {
        TG__T v = 0;
        if (t % wide < columns)
            for (int k = t / wide; k < keys; k += TG__CU_WIDTH / wide)
                v = TG__W(fma)(p[k], TG__CU(tg__cu_get)(TG__CU_D(4), r->o[4].p,
                    v_at + (first + k) * r->o[4].stride[2] + t % wide * r->o[4].stride[3]), v);
        part[t] = v;
    }
    TG__CU_BARRIER                                                        /* columns, of some of the keys each */
    for (half = TG__CU_WIDTH / wide / 2; half > 0; half /= 2) {
        TG__CU_THREADS(t) if (t / wide < half) part[t] += part[t + half * wide];
        TG__CU_BARRIER                                                    /* of half as many groups of keys */
    }
    TG__CU_THREADS(t) {
        TG__T *const to = (TG__T *)r->work + block * (columns + 2);
        if (r->pieces == 1) { TG__CU(tg__cu_one_put)(r, head, t, part[t], found[0], q[0]); continue; }
        if (t < columns) to[t] = part[t];
        if (t == 0) { to[columns] = found[0]; to[columns + 1] = q[0]; }
    }
}
/* The pieces of a head, in order. */
TG__INLINE void TG__CU(tg__cu_one_join)(const tg__cu_walk *r, int64_t head) {
    const int columns = (int)r->o[0].size[3];
    const TG__T *const from = (const TG__T *)r->work + head * r->pieces * (columns + 2),
        none = -TG__CU_FROM(tg__double(0x7ff0000000000000u));
    TG__CU_THREADS(t) {
        TG__T top = none, sum = 0, v = 0;
        for (int64_t i = 0; i < r->pieces; i++) top = TG__W(maxn)(top, from[i * (columns + 2) + columns]);
        for (int64_t i = 0; i < r->pieces && top != none; i++) {
            const TG__T *const own = from + i * (columns + 2), weight = own[columns] == none ? 0 : TG__W(exp)(own[columns] - top);
            sum = TG__W(fma)(own[columns + 1], weight, sum);
            if (t < columns) v = TG__W(fma)(own[t], weight, v);
        }
        TG__CU(tg__cu_one_put)(r, head, t, v, top, sum);
    }
}
TG__CU_KERNEL(TG__CU(tg__cu_attend), tg__cu_walk, TG__CU(tg__cu_attended)(r, block))
TG__CU_KERNEL(TG__CU(tg__cu_attend_one), tg__cu_walk, TG__CU(tg__cu_one)(r, block))
TG__CU_KERNEL(TG__CU(tg__cu_attend_join), tg__cu_walk, TG__CU(tg__cu_one_join)(r, block))
TG__CU_KERNEL(TG__CU(tg__cu_attend_delta), tg__cu_walk, { TG__CU_THREADS(t) TG__CU_EACH(i) TG__CU(tg__cu_delta)(r, i); })
TG__CU_KERNEL(TG__CU(tg__cu_attend_dq), tg__cu_walk, TG__CU(tg__cu_attend_back)(r, block, 0))
TG__CU_KERNEL(TG__CU(tg__cu_attend_dk), tg__cu_walk, TG__CU(tg__cu_attend_back)(r, block, 1))
TG__CU_KERNEL(TG__CU(tg__cu_attend_dv), tg__cu_walk, TG__CU(tg__cu_attend_back)(r, block, 2))
#endif

#if (!defined(TG__CU_ONLY) || defined(TG__CU_ONLY_ATTENTION_MATRIX)) && TG__CU_TYPE == 32 && TG__CU_HAS_MATRIX
/* ---- attention of halves by matrix units: heads of at most 128 columns, sums in f32 ----
   A block has 128 rows of a result, each warp 16 of them: queries, which go through the keys, or keys, which go through the
   queries of the heads that share them. What belongs to the rows stays in registers, what they go through comes in tiles of
   64 or 32 rows into shared memory, a tile's columns filled up with 0 to a multiple of 16. A tile's line is 8 halves longer
   than that: the eight lines of an ldmatrix then lie in different banks. Scores and what is made of them never leave the
   registers: the sums of one product become the a of the next. Probabilities (by the largest score at most 1) and their
   derivatives are rounded to halves for it, as others do; sums of them, and the scores, are f32.
   A device's program is made for its sizes: TG__CU_KIND tells the columns of q and k and of v in sixteens, TG__CU_PART
   whether there is dropout (1) or a mask (4) and which way it goes (2: back). */
#ifdef TG__CU_KIND
#define TG__CU_DS(back) (TG__CU_KIND & 15)
#define TG__CU_ES(back) (TG__CU_KIND >> 4)
#define TG__CU_DROPS (TG__CU_PART & 1)
#define TG__CU_MASKED(mask) (TG__CU_PART & 4)
#define TG__CU_MOST ((TG__CU_KIND & 15) > TG__CU_KIND >> 4 ? TG__CU_KIND & 15 : TG__CU_KIND >> 4)
#define TG__CU_TILES(back) (((back) && TG__CU_MOST <= 4 ? 256 : 128) * (TG__CU_MOST * 16 + 8))
#else
#define TG__CU_DS(back) ((int)((r->o[TG__CU_Q(back)].size[3] + 15) / 16))
#define TG__CU_ES(back) ((int)((r->o[TG__CU_Q(back) + 2].size[3] + 15) / 16))
#define TG__CU_DROPS (r->numbers[1] != 0)
#define TG__CU_MASKED(mask) (r->o[mask].p != 0)
#define TG__CU_TILES(back) (256 * 72)                                 /* halves: of 64 columns four tiles of 64 rows; of 128 columns 128 rows, or four tiles of 32 */
#endif
#define TG__CU_LOG2E 1.44269504088896341f
enum { TG__CU_ATTEND_ROWS = 128, TG__CU_ATTEND_TILE = 64 };
/* Rows first, first + 1, ... of operand k into a tile; rows and columns that are not there are 0. In pieces of 16 bytes that come later
   where the operand lies so, which the bits of r->part tell. */
TG__INLINE void tg__cu_tile_in(const tg__cu_walk *r, int k, int64_t at, int64_t first, int rows, int sixteens, uint16_t *tile) {
    const uint16_t *const p = (const uint16_t *)r->o[k].p + at + first * r->o[k].stride[2];
    const int n = r->o[k].size[2] - first < rows ? (int)(r->o[k].size[2] - first) : rows, columns = (int)r->o[k].size[3];
    const int64_t down = r->o[k].stride[2], right = r->o[k].stride[3];
    if (r->part >> k & 1) {
        TG__CU_THREADS(t) for (int e = t; e < rows * sixteens * 2; e += TG__CU_WIDTH) {
            const int i = e / (sixteens * 2), c = e % (sixteens * 2) * 8, left = i < n ? columns - c : 0;
            tg__cu_copy_16(tile + i * (sixteens * 16 + 8) + c,
                left > 0 ? p + i * down + c : (const uint16_t *)r->o[k].p, left >= 8 ? 16 : left > 0 ? left * 2 : 0);
        }
    } else TG__CU_THREADS(t) TG__CU_ROLL for (int e = t; e < rows * sixteens * 16; e += TG__CU_WIDTH) {
        const int i = e / (sixteens * 16), c = e % (sixteens * 16);
        tile[i * (sixteens * 16 + 8) + c] = (uint16_t)(i < n && c < columns ? p[i * down + c * right] : 0);
    }
}
/* Which elements dropout keeps: rows x columns of them, of queries by keys, or turned, of keys by queries. A thread draws the four that
   stand side by side in a block of Philox words. */
TG__INLINE void tg__cu_draw(const tg__cu_walk *r, int back, int turned, int64_t b, int64_t h, int64_t row,
    int64_t column, int columns, uint8_t *keep) {
    const int lines = turned ? columns : TG__CU_ATTEND_ROWS, n = turned ? TG__CU_ATTEND_ROWS : columns, groups = n / 4 + 1;
    const int64_t q0 = turned ? column : row, k0 = turned ? row : column;
    TG__CU_THREADS(t) TG__CU_ROLL for (int e = t; e < lines * groups; e += TG__CU_WIDTH) {
        const uint64_t from = (uint64_t)(((b * r->o[TG__CU_Q(back)].size[1] + h) * r->o[TG__CU_Q(back)].size[2] + q0
            + e / groups) * r->o[TG__CU_Q(back) + 1].size[2] + k0), group = from / 4 + (uint64_t)(e % groups);
        uint32_t w[4];
        tg__cu_philox(group, (uint64_t)r->whole[1], (uint64_t)r->whole[2], w);
        TG__CU_UNROLL for (int i = 0; i < 4; i++) {
            const int64_t k = (int64_t)(group * 4 + (uint64_t)i) - (int64_t)from;
            if (k < 0 || k >= n) continue;
            keep[turned ? (int)k * columns + e / groups : e / groups * columns + (int)k] =
                (uint8_t)!((float)(int32_t)(w[i] >> 8) * 5.9604644775390625e-8f < (float)r->numbers[1]);
        }
    }
}
/* What a product of a row's operand and a tile's became, as scores: times the scale, with the mask, -inf where a key is not seen. Columns
   low[i] to high[i] are seen of a thread's row i. */
TG__INLINE void tg__cu_scores(const tg__cu_walk *r, int back, int turned, int64_t b, int64_t h, int64_t row,
    int64_t column, int columns, TG__CU_OWN(float, s, 32)) {
    const int mask = TG__CU_Q(back) + 3;
    const int64_t queries = r->o[TG__CU_Q(back)].size[2], keys = r->o[TG__CU_Q(back) + 1].size[2], width = turned ? queries : keys;
    const float none = -tg__float(0x7f800000u), scale = (float)r->numbers[0];
    TG__CU_THREADS(t) { TG__CU_UNROLL for (int n = 0; n < columns / 2; n++) TG__CU_MY(s, t)[n] *= scale; }
    if (!TG__CU_MASKED(mask) && column + columns <= width &&
        (!r->whole[0] || (turned ? column >= row + TG__CU_ATTEND_ROWS - 1 : column + columns - 1 <= row)))
        return;
    TG__CU_THREADS(t) {
        const int64_t step = r->o[mask].stride[turned ? 2 : 3];
        int64_t line[2];                                                  /* where a row's mask begins */
        int low[2], high[2];
        TG__CU_UNROLL for (int i = 0; i < 2; i++) {
            const int64_t at = row + t / 32 * 16 + t % 32 / 4 + i * 8;      /* a query, or a key */
            int64_t from = 0, to = width - column;
            if (at >= (turned ? keys : queries)) to = 0;
            if (r->whole[0] && turned && at - column > from) from = at - column;
            if (r->whole[0] && !turned && at + 1 - column < to) to = at + 1 - column;
            line[i] = tg__cu_head_at(r, mask, b, h) + column * step + at * r->o[mask].stride[turned ? 3 : 2];
            low[i] = from > columns ? columns : (int)from; high[i] = to > columns ? columns : to < 0 ? 0 : (int)to;
        }
        TG__CU_UNROLL for (int n = 0; n < columns / 2; n++) {
            const int i = n / 2 % 2, c = n / 4 * 8 + t % 4 * 2 + n % 2;
            float v = TG__CU_MY(s, t)[n];
            if (c < low[i] || c >= high[i]) v = none;
            else if (TG__CU_MASKED(mask)) {
                const int64_t at = line[i] + c * step;
                if (TG__CU_D(mask) != 9) v += tg__cu_get_f32(TG__CU_D(mask), r->o[mask].p, at);
                else if (!((const uint8_t *)r->o[mask].p)[at]) v = none;
            }
            TG__CU_MY(s, t)[n] = v;
        }
    }
}
/* Sums of 16 columns each, rounded, to where they belong. */
TG__INLINE void tg__cu_sums_put(const tg__cu_walk *r, int y, int64_t at, int64_t row, int sixteens, TG__CU_OWN(float, out, 64)) {
    uint16_t *const p = (uint16_t *)r->o[y].p + at;
    const int columns = (int)r->o[y].size[3], pairs = r->part >> y & 1;
    TG__CU_THREADS(t) { TG__CU_UNROLL for (int n = 0; n < sixteens * 4; n++) {
        const int64_t i = row + t / 32 * 16 + t % 32 / 4 + n % 2 * 8;
        const int c = n / 2 * 8 + t % 4 * 2;
        const uint32_t v = tg__cu_pack(TG__CU_D(y), TG__CU_MY(out, t)[2 * n], TG__CU_MY(out, t)[2 * n + 1]);
        if (i >= r->o[y].size[2]) continue;
        if (pairs && c + 1 < columns) { *(uint32_t *)(p + i * r->o[y].stride[2] + c) = v; continue; }
        if (c < columns) p[i * r->o[y].stride[2] + c * r->o[y].stride[3]] = (uint16_t)v;
        if (c + 1 < columns) p[i * r->o[y].stride[2] + (c + 1) * r->o[y].stride[3]] = (uint16_t)(v >> 16);
    } }
}
/* The a's of 16 rows for each warp, of 128 that stand in a tile. */
TG__INLINE void tg__cu_rows_in(const uint16_t *tile, int sixteens, TG__CU_OWN(uint32_t, f, 32)) {
    TG__CU_UNROLL for (int d = 0; d < sixteens; d++) TG__CU_FRAGMENT(f, 4 * d, tile, sixteens * 16 + 8, 0, 16, 16 * d, 0, 0);
}
/* sums = rows times the rows of a tile. */
TG__INLINE void tg__cu_rows_dot(int dtype, const uint16_t *tile, int rows, int sixteens, TG__CU_OWN(uint32_t, f, 32),
    TG__CU_OWN(float, s, 32)) {
    TG__CU_OWN(uint32_t, two, 4);
    TG__CU_THREADS(t) { TG__CU_UNROLL for (int n = 0; n < rows / 2; n++) TG__CU_MY(s, t)[n] = 0; }
    TG__CU_UNROLL for (int d = 0; d < sixteens; d++) { TG__CU_UNROLL for (int n = 0; n < rows / 16; n++) {
        TG__CU_FRAGMENT(two, 0, tile, sixteens * 16 + 8, 16 * n, 0, 16 * d, 1, 0);
        TG__CU_MMA(dtype, s, 8 * n, f, 4 * d, two, 0);
        TG__CU_MMA(dtype, s, 8 * n + 4, f, 4 * d, two, 2);
    } }
}
/* out += p, packed, times a tile. */
TG__INLINE void tg__cu_rows_times(int dtype, const uint16_t *tile, int rows, int sixteens,
    TG__CU_OWN(uint32_t, p, 16), TG__CU_OWN(float, out, 64)) {
    TG__CU_OWN(uint32_t, two, 4);
    TG__CU_UNROLL for (int k = 0; k < rows / 16; k++) { TG__CU_UNROLL for (int n = 0; n < sixteens; n++) {
        TG__CU_FRAGMENT(two, 0, tile, sixteens * 16 + 8, 16 * k, 0, 16 * n, 0, 1);
        TG__CU_MMA(dtype, out, 8 * n, p, 4 * k, two, 0);
        TG__CU_MMA(dtype, out, 8 * n + 4, p, 4 * k, two, 2);
    } }
}
/* 128 queries, through the keys by 64. There is one tile of keys and one of values: while the scores are made the values come, while
   they are used the next keys. */
TG__INLINE void tg__cu_matrix_attended(const tg__cu_walk *r, int64_t block) {
    TG__CU_SHARED_16(tiles, TG__CU_TILES(0));
    TG__CU_SHARED(uint8_t, keep, TG__CU_ATTEND_ROWS * TG__CU_ATTEND_TILE);
    TG__CU_OWN(uint32_t, q, 32);
    TG__CU_OWN(uint32_t, p, 16);
    TG__CU_OWN(float, s, 32);
    TG__CU_OWN(float, out, 64);
    TG__CU_OWN(float, top, 2);                                            /* of a thread's two rows: the largest score so far */
    TG__CU_OWN(float, next, 2);                                           /* and with this tile's */
    TG__CU_OWN(float, sum, 2);                                            /* of this thread's columns */
    const int ds = TG__CU_DS(0), es = TG__CU_ES(0), dtype = TG__CU_D(2), drops = TG__CU_DROPS;
    const int64_t rows = (r->o[2].size[2] + TG__CU_ATTEND_ROWS - 1) / TG__CU_ATTEND_ROWS, heads = r->o[2].size[1], keys = r->o[3].size[2];
    /* the last rows see the most: they begin */
    const int64_t row = (rows - 1 - block % rows) * TG__CU_ATTEND_ROWS, h = block / rows % heads,
        b = block / rows / heads, hk = h / (heads / r->o[3].size[1]);
    const int64_t k_at = tg__cu_head_at(r, 3, b, hk), v_at = tg__cu_head_at(r, 4, b, hk), end = r->whole[0] &&
        row + TG__CU_ATTEND_ROWS < keys ? row + TG__CU_ATTEND_ROWS : keys;
    uint16_t *const values = tiles + TG__CU_ATTEND_TILE * ((ds > es ? ds : es) * 16 + 8);
    const float none = -tg__float(0x7f800000u);
    int64_t k0;
    TG__CU_THREADS(t) {
        TG__CU_UNROLL for (int n = 0; n < es * 8; n++) TG__CU_MY(out, t)[n] = 0;
        TG__CU_UNROLL for (int i = 0; i < 2; i++) { TG__CU_MY(top, t)[i] = none; TG__CU_MY(sum, t)[i] = 0; }
    }
    tg__cu_tile_in(r, 2, tg__cu_head_at(r, 2, b, h), row, TG__CU_ATTEND_ROWS, ds, tiles);      /* over both tiles */
    TG__CU_ARRIVED
    TG__CU_BARRIER                                                        /* all of the queries are there, whoever brought them */
    tg__cu_rows_in(tiles, ds, q);
    TG__CU_BARRIER                                                        /* every warp has read its own: keys may be written over them */
    if (end > 0) tg__cu_tile_in(r, 3, k_at, 0, TG__CU_ATTEND_TILE, ds, tiles);
    for (k0 = 0; k0 < end; k0 += TG__CU_ATTEND_TILE) {
        TG__CU_ARRIVED
        /* the keys are there; every warp has done with the values and the draws of the tile before */
        TG__CU_BARRIER
        tg__cu_tile_in(r, 4, v_at, k0, TG__CU_ATTEND_TILE, es, values);
        if (drops) tg__cu_draw(r, 0, 0, b, h, row, k0, TG__CU_ATTEND_TILE, keep);
        tg__cu_rows_dot(dtype, tiles, TG__CU_ATTEND_TILE, ds, q, s);
        TG__CU_ARRIVED
        /* the values and the draws are there; every warp has done with the keys */
        TG__CU_BARRIER
        if (k0 + TG__CU_ATTEND_TILE < end) tg__cu_tile_in(r, 3, k_at, k0 + TG__CU_ATTEND_TILE, TG__CU_ATTEND_TILE, ds, tiles);
        tg__cu_scores(r, 0, 0, b, h, row, k0, TG__CU_ATTEND_TILE, s);
        TG__CU_THREADS(t) {
            TG__CU_UNROLL for (int i = 0; i < 2; i++) TG__CU_MY(next, t)[i] = TG__CU_MY(top, t)[i];
            TG__CU_UNROLL for (int n = 0; n < 32; n++) TG__CU_MY(next, t)[n / 2 % 2] =
                fmaxf(TG__CU_MY(next, t)[n / 2 % 2], TG__CU_MY(s, t)[n]);
        }
        TG__CU_QUAD_MAX(next, 0)
        TG__CU_QUAD_MAX(next, 1)
        TG__CU_THREADS(t) {
            const float kept = drops ? (float)(r->numbers[1] < 1 ? 1 / (1 - r->numbers[1]) : 0) : 1;
            float from[2], shrink[2];
            TG__CU_UNROLL for (int i = 0; i < 2; i++) {
                /* no key was seen yet: exp(-inf) and not exp(-inf + inf) */
                from[i] = TG__CU_MY(next, t)[i] == none ? 0 : TG__CU_MY(next, t)[i];
                shrink[i] = tg__cu_exp2((TG__CU_MY(top, t)[i] - from[i]) * TG__CU_LOG2E);
                TG__CU_MY(top, t)[i] = TG__CU_MY(next, t)[i];
                TG__CU_MY(sum, t)[i] *= shrink[i];
            }
            TG__CU_UNROLL for (int n = 0; n < 32; n++) {
                const float v = tg__cu_exp2((TG__CU_MY(s, t)[n] - from[n / 2 % 2]) * TG__CU_LOG2E);
                TG__CU_MY(sum, t)[n / 2 % 2] += v;
                TG__CU_MY(s, t)[n] = !drops ? v
                    : keep[(t / 32 * 16 + t % 32 / 4 + n / 2 % 2 * 8) * TG__CU_ATTEND_TILE + n / 4 * 8 + t % 4 * 2
                    + n % 2] ? v * kept : 0;
            }
            TG__CU_UNROLL for (int n = 0; n < 16; n++) TG__CU_MY(p, t)[n] = tg__cu_pack(dtype, TG__CU_MY(s, t)[2 * n],
                TG__CU_MY(s, t)[2 * n + 1]);
            TG__CU_UNROLL for (int n = 0; n < es * 8; n++) TG__CU_MY(out, t)[n] *= shrink[n / 2 % 2];
        }
        tg__cu_rows_times(dtype, values, TG__CU_ATTEND_TILE, es, p, out);
    }
    TG__CU_QUAD_SUM(sum, 0)
    TG__CU_QUAD_SUM(sum, 1)
    TG__CU_THREADS(t) {
        float inverse[2];
        TG__CU_UNROLL for (int i = 0; i < 2; i++) {
            const float v = TG__CU_MY(sum, t)[i];
            const int64_t at = row + t / 32 * 16 + t % 32 / 4 + i * 8;
            inverse[i] = v == 0 ? 0 : 1 / v;
            if (t % 4 || at >= r->o[2].size[2]) continue;
            ((float *)r->o[1].p)[(b * heads + h) * r->o[2].size[2] + at] = v == 0 ? -none : TG__CU_MY(top, t)[i];
            ((float *)r->o[1].p)[r->n + (b * heads + h) * r->o[2].size[2] + at] = inverse[i];
        }
        TG__CU_UNROLL for (int n = 0; n < es * 8; n++) TG__CU_MY(out, t)[n] *= inverse[n / 2 % 2];
    }
    tg__cu_sums_put(r, 0, tg__cu_head_at(r, 0, b, h), row, es, out);
}
/* 128 rows of dq (which 0), dk (1) or dv (2). Of a row's own operands and those that it goes through the first pair makes the scores, the
   second the derivative of the probabilities: q and k, g and v, or turned. Two pairs of tiles: one comes while the other is used. */
TG__INLINE void tg__cu_matrix_back(const tg__cu_walk *r, int64_t block, const int which) {
    TG__CU_SHARED_16(tiles, TG__CU_TILES(1));
    TG__CU_SHARED(uint8_t, keep, TG__CU_ATTEND_ROWS * TG__CU_ATTEND_TILE);
    /* of the queries of a tile, for two tiles: the largest score, 1 / sum, sum of g y */
    TG__CU_SHARED(float, of, 2 * 3 * TG__CU_ATTEND_TILE);
    TG__CU_OWN(uint32_t, first, 32);
    TG__CU_OWN(uint32_t, second, 32);
    TG__CU_OWN(uint32_t, p, 16);
    TG__CU_OWN(float, s, 32);
    TG__CU_OWN(float, slope, 32);
    TG__CU_OWN(float, out, 64);
    TG__CU_OWN(float, own, 6);                                            /* the same of a thread's two rows, where these are queries */
    const int ds = TG__CU_DS(1), es = TG__CU_ES(1), dtype = TG__CU_D(3), drops = TG__CU_DROPS, turned = which > 0,
        through = (ds > es ? ds : es) <= 4 ? 64 : 32;
    const int size = through * ((ds > es ? ds : es) * 16 + 8), wide = which == 2 ? es : ds;
    const int a1 = turned ? 4 : 3, a2 = turned ? 5 : 9, t1 = turned ? 3 : 4, t2 = turned ? 9 : 5;
    const int64_t rows = (r->o[which].size[2] + TG__CU_ATTEND_ROWS - 1) / TG__CU_ATTEND_ROWS, heads = r->o[3].size[1],
        group = heads / r->o[4].size[1], queries = r->o[3].size[2], keys = r->o[4].size[2];
    const int64_t row = (turned ? block % rows : rows - 1 - block % rows) * TG__CU_ATTEND_ROWS,
        head = block / rows % r->o[which].size[1], b = block / rows / r->o[which].size[1];
    const int64_t from = turned && r->whole[0] ? row : 0, end = turned ? queries : r->whole[0] &&
        row + TG__CU_ATTEND_ROWS < keys ? row + TG__CU_ATTEND_ROWS : keys;
    const int64_t each = end > from ? (end - from + through - 1) / through : 0, all = turned ? each * group : each;
    const float none = -tg__float(0x7f800000u), *const rest = (const float *)r->o[8].p, *const sums = (const float *)r->work;
    /* tile i is of rows column, ... of head h; the one behind it of rows at, ... of head next_h */
    int64_t i, h = 0, column = 0, next_h = turned ? head * group : head, at = from;
    TG__CU_THREADS(t) {
        TG__CU_UNROLL for (int n = 0; n < wide * 8; n++) TG__CU_MY(out, t)[n] = 0;
        if (!turned) { TG__CU_UNROLL for (int k = 0; k < 2; k++) {
            const int64_t q = row + t / 32 * 16 + t % 32 / 4 + k * 8, at = (b * heads + head) * queries + q;
            TG__CU_MY(own, t)[k] = q < queries ? rest[at] : -none;
            TG__CU_MY(own, t)[2 + k] = q < queries ? rest[r->n + at] : 0;
            TG__CU_MY(own, t)[4 + k] = q < queries ? sums[at] : 0;
        } }
    }
    tg__cu_tile_in(r, a1, tg__cu_head_at(r, a1, b, head), row, TG__CU_ATTEND_ROWS, ds, tiles);      /* over all tiles */
    TG__CU_ARRIVED
    TG__CU_BARRIER                                                        /* all rows are there */
    tg__cu_rows_in(tiles, ds, first);
    TG__CU_BARRIER                                                        /* every warp has read its own */
    if (which < 2) {
        tg__cu_tile_in(r, a2, tg__cu_head_at(r, a2, b, head), row, TG__CU_ATTEND_ROWS, es, tiles);
        TG__CU_ARRIVED
        TG__CU_BARRIER                                                    /* the same for the second operand, */
        tg__cu_rows_in(tiles, es, second);
        TG__CU_BARRIER                                                    /* over which the first tiles may now be written */
    }
    for (i = -1; i < all; i++) {
        const uint16_t *const one = tiles + (i & 1) * 2 * size, *const two = one + size;
        if (i >= 0) {
            TG__CU_ARRIVED
            /* tile i is there, and what its queries know; every warp has done with tile i - 1, whose place tile i + 1
               takes, and with its draws */
            TG__CU_BARRIER
        }
        if (i + 1 < all) {
            const int64_t ht = turned ? next_h : next_h / group;
            tg__cu_tile_in(r, t1, tg__cu_head_at(r, t1, b, ht), at, through, ds, tiles + ((i + 1) & 1) * 2 * size);
            tg__cu_tile_in(r, t2, tg__cu_head_at(r, t2, b, ht), at, through, es, tiles + ((i + 1) & 1) * 2 * size + size);
            if (turned) TG__CU_THREADS(t) if (t < through) {
                float *const to = of + ((i + 1) & 1) * 3 * TG__CU_ATTEND_TILE + t;
                const int64_t q = at + t, n = (b * heads + next_h) * queries + q;
                to[0] = q < queries ? rest[n] : -none;
                to[TG__CU_ATTEND_TILE] = q < queries ? rest[r->n + n] : 0;
                to[2 * TG__CU_ATTEND_TILE] = q < queries ? sums[n] : 0;
            }
        }
        if (i >= 0) {
            if (drops) {
                tg__cu_draw(r, 1, turned, b, h, row, column, through, keep);
                TG__CU_BARRIER                                                /* all draws of tile i are there */
            }
            tg__cu_rows_dot(dtype, one, through, ds, first, s);
            if (which < 2) tg__cu_rows_dot(dtype, two, through, es, second, slope);
            tg__cu_scores(r, 1, turned, b, h, row, column, through, s);
            TG__CU_THREADS(t) {
                const float *const known = of + (i & 1) * 3 * TG__CU_ATTEND_TILE + t % 4 * 2;
                const float kept = drops ? (float)(r->numbers[1] < 1 ? 1 / (1 - r->numbers[1]) : 0) : 1, scale = (float)r->numbers[0];
                TG__CU_UNROLL for (int n = 0; n < through / 2; n++) {
                    const int k = n / 2 % 2, c = n / 4 * 8 + n % 2;
                    const float top = turned ? known[c] : TG__CU_MY(own, t)[k],
                        inverse = turned ? known[TG__CU_ATTEND_TILE + c] : TG__CU_MY(own, t)[2 + k],
                        sum = turned ? known[2 * TG__CU_ATTEND_TILE + c] : TG__CU_MY(own, t)[4 + k];
                    const float factor = !drops ? 1 : keep[(t / 32 * 16 + t % 32 / 4 + k * 8) * through + c + t % 4 * 2] ? kept : 0;
                    const float v = tg__cu_exp2((TG__CU_MY(s, t)[n] - top) * TG__CU_LOG2E) * inverse;
                    TG__CU_MY(s, t)[n] = which == 2 ? v * factor : v * scale * (TG__CU_MY(slope, t)[n] * factor - sum);
                }
                TG__CU_UNROLL for (int n = 0; n < through / 4; n++) TG__CU_MY(p, t)[n] = tg__cu_pack(dtype,
                    TG__CU_MY(s, t)[2 * n], TG__CU_MY(s, t)[2 * n + 1]);
            }
            tg__cu_rows_times(dtype, which == 2 ? two : one, through, wide, p, out);
        }
        h = next_h; column = at; at += through;
        if (at >= end) { at = from; next_h++; }
    }
    tg__cu_sums_put(r, which, tg__cu_head_at(r, which, b, head), row, wide, out);
}
#if !defined(TG__CU_KIND) || !(TG__CU_PART & 2)
TG__CU_KERNEL(tg__cu_attend_matrix_f32, tg__cu_walk, tg__cu_matrix_attended(r, block))
#endif
#if !defined(TG__CU_KIND) || (TG__CU_PART & 2)
TG__CU_KERNEL(tg__cu_attend_matrix_dq_f32, tg__cu_walk, tg__cu_matrix_back(r, block, 0))
TG__CU_KERNEL(tg__cu_attend_matrix_dk_f32, tg__cu_walk, tg__cu_matrix_back(r, block, 1))
TG__CU_KERNEL(tg__cu_attend_matrix_dv_f32, tg__cu_walk, tg__cu_matrix_back(r, block, 2))
#endif
#endif

#if !defined(TG__CU_ONLY) || defined(TG__CU_ONLY_RESAMPLE) || defined(TG__CU_ONLY_GRID) || defined(TG__CU_ONLY_BOXES)
#ifndef TG__CU_PLACES_TOLD
#define TG__CU_PLACES_TOLD
/* ---- what a place has of taps and weights, as >>impl-resample tells ---- */
/* {text: places of tensorgrad.h} */
#endif
#endif
#if !defined(TG__CU_ONLY) || defined(TG__CU_ONLY_RESAMPLE)
/* ---- resample: pictures of another size, by taps that came along in work ---- */
#ifndef TG__CU_TAPS
#define TG__CU_TAPS
typedef struct tg__cu_taps { int64_t first, count; const double *weight; const int32_t *whole; } tg__cu_taps;
    /* weights are the one or the other */
TG__INLINE tg__cu_taps tg__cu_taps_of(const tg__cu_walk *r, int d, int64_t i) {
    const int64_t *const first = (const int64_t *)(r->work + r->whole[2 * d]), n = r->shape[2 + d];
    tg__cu_taps t;
    t.first = first[i]; t.count = first[n + i];
    t.weight = (const double *)(first + 2 * n) + i * r->whole[2 * d + 1];
    t.whole = (const int32_t *)(first + 2 * n) + i * r->whole[2 * d + 1];
    return t;
}
#endif
#if TG__CU_TYPE == 0
TG__INLINE void tg__cu_picked(const tg__cu_walk *r, int64_t i) {
    TG__CU_POSITION
    tg__cu_move((int)r->length, r->o[0].p, TG__CU_TO(0), r->o[1].p,
        p[0] * r->o[1].stride[0] + p[1] * r->o[1].stride[1] + tg__cu_taps_of(r, 0, p[2]).first * r->o[1].stride[2] +
        tg__cu_taps_of(r, 1, p[3]).first * r->o[1].stride[3] + tg__cu_taps_of(r, 2, p[4]).first * r->o[1].stride[4]);
}
/* Rounded to a byte after W and again after H. */
TG__INLINE void tg__cu_resized_byte(const tg__cu_walk *r, int64_t i) {
    TG__CU_POSITION
    const tg__cu_taps h = tg__cu_taps_of(r, 1, p[3]), w = tg__cu_taps_of(r, 2, p[4]);
    const uint8_t *const x = (const uint8_t *)r->o[1].p + p[0] * r->o[1].stride[0] + p[1] * r->o[1].stride[1];
    int32_t sum = 0;
    for (int64_t b = 0; b < h.count; b++) {
        const uint8_t *const line = x + (h.first + b) * r->o[1].stride[3] + w.first * r->o[1].stride[4];
        int32_t row = 0;
        for (int64_t c = 0; c < w.count; c++) row += w.whole[c] * line[c * r->o[1].stride[4]];
        sum += h.whole[b] * tg__resize_byte(row, (int)r->whole[8]);
    }
    ((uint8_t *)r->o[0].p)[TG__CU_TO(0)] = tg__resize_byte(sum, (int)r->whole[7]);
}
TG__CU_KERNEL(tg__cu_resample_pick_i64, tg__cu_walk, { TG__CU_THREADS(t) TG__CU_EACH(i) tg__cu_picked(r, i); })
TG__CU_KERNEL(tg__cu_resample_bytes_i64, tg__cu_walk, { TG__CU_THREADS(t) TG__CU_EACH(i) tg__cu_resized_byte(r, i); })
#else
TG__INLINE void TG__CU(tg__cu_resampled)(const tg__cu_walk *r, int64_t i) {
    TG__CU_POSITION
    const tg__cu_taps d = tg__cu_taps_of(r, 0, p[2]), h = tg__cu_taps_of(r, 1, p[3]), w = tg__cu_taps_of(r, 2, p[4]);
    const int64_t x = p[0] * r->o[1].stride[0] + p[1] * r->o[1].stride[1];
    TG__T sum = 0;
    for (int64_t a = 0; a < d.count; a++) for (int64_t b = 0; b < h.count; b++) {
        const int64_t line = x + (d.first + a) * r->o[1].stride[2] + (h.first + b) * r->o[1].stride[3];
        TG__T row = 0;
        for (int64_t c = 0; c < w.count; c++)
            row += (TG__T)w.weight[c] * TG__CU(tg__cu_get)(TG__CU_D(1), r->o[1].p, line + (w.first + c) * r->o[1].stride[4]);
        sum += (TG__T)(d.weight[a] * h.weight[b]) * row;
    }
    TG__CU(tg__cu_put)(TG__CU_D(0), r->o[0].p, TG__CU_TO(0), sum);
}
TG__CU_KERNEL(TG__CU(tg__cu_resample), tg__cu_walk, { TG__CU_THREADS(t) TG__CU_EACH(i) TG__CU(tg__cu_resampled)(r, i); })
#endif
#endif

#if (!defined(TG__CU_ONLY) || defined(TG__CU_ONLY_GRID)) && TG__CU_TYPE != 0
/* ---- grid. Operands are of the type that is computed in, so they are read as they are: o[0] is the picture, o[1] what was
   looked up in it, o[2] the grid, o[3] its gradient. A picture without depth has one tap along D ---- */
typedef struct TG__CU(tg__cu_tapped) { tg__grid_taps line[3], more[3]; int many[3]; } TG__CU(tg__cu_tapped);
/* Place q of image n; more: differentiated once more along each dimension. */
TG__NOINLINE void TG__CU(tg__cu_look_up)(const tg__cu_walk *r, int64_t n, int64_t q, int more, TG__CU(tg__cu_tapped) *to) {
    const TG__T *const grid = (const TG__T *)r->o[2].p + n * r->o[2].stride[0] + tg__cu_offset(3, r->shape + 1, r->o[2].stride + 1, q);
    const int flat = r->o[2].size[4] == 2;
    tg__grid_rule rule;
    rule.mode = (int)r->whole[0]; rule.padding = (int)r->whole[1]; rule.align = r->whole[2] != 0; rule.wide = sizeof(TG__T) == 8;
    to->line[0].at[0] = 0; to->line[0].w[0] = to->more[0].w[0] = 1; to->many[0] = 1;
    TG__CU_ROLL for (int k = flat; k < 3; k++) {
        const double v = (double)grid[(2 - k) * r->o[2].stride[4]];
        to->many[k] = tg__grid_line(&rule, v, r->o[0].size[2 + k], r->whole[3 + k], &to->line[k]);
        if (more) (void)tg__grid_line(&rule, v, r->o[0].size[2 + k], r->whole[3 + k] + 1, &to->more[k]);
    }
}
/* Over all taps of a place, in order: along D, H and W it is tap e, f, k of them; `in`: is it in the picture? */
#define TG__CU_TAPS_OF(s) for (int e = 0; e < (s).many[0]; e++) for (int f = 0; f < (s).many[1]; f++) for (int k = 0; k < (s).many[2]; k++)
#define TG__CU_TAP_IN(s) ((s).line[0].at[e] >= 0 && (s).line[1].at[f] >= 0 && (s).line[2].at[k] >= 0)
#define TG__CU_TAP_AT(s, step) ((s).line[0].at[e] * (step)[0] + (s).line[1].at[f] * (step)[1] + (s).line[2].at[k] * (step)[2])
/* A place and some channels are a thread's. */
TG__INLINE void TG__CU(tg__cu_gridded)(const tg__cu_walk *r, int64_t i) {
    const int64_t q = i % r->length, first = i / r->length % r->pieces * r->piece, n = i / r->length / r->pieces,
        end = first + r->piece < r->o[0].size[1] ? first + r->piece : r->o[0].size[1];
    const TG__T *x = (const TG__T *)r->o[0].p + n * r->o[0].stride[0] + first * r->o[0].stride[1];
    TG__T *y = (TG__T *)r->o[1].p + n * r->o[1].stride[0] + first * r->o[1].stride[1] + tg__cu_offset(3, r->shape + 1,
        r->o[1].stride + 2, q);
    TG__CU(tg__cu_tapped) s;
    int64_t at[64];                                                       /* -1: outside of the picture */
    TG__T w[64];
    int taps = 0, out = 0;
    TG__CU(tg__cu_look_up)(r, n, q, 0, &s);
    TG__CU_TAPS_OF(s) {
        at[taps] = TG__CU_TAP_IN(s) ? TG__CU_TAP_AT(s, r->o[0].stride + 2) : INT64_MIN;
        out |= at[taps] == INT64_MIN;
        w[taps++] = (TG__T)(s.line[0].w[e] * s.line[1].w[f] * s.line[2].w[k]);
    }
    if (taps == 4 && !out) {
        const TG__T w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3];
        const int64_t a0 = at[0], a1 = at[1], a2 = at[2], a3 = at[3];
        for (int64_t c = first; c < end; c++, x += r->o[0].stride[1], y += r->o[1].stride[1])
            *y = (w0 * x[a0] + w1 * x[a1]) + (w2 * x[a2] + w3 * x[a3]);
    } else for (int64_t c = first; c < end; c++, x += r->o[0].stride[1], y += r->o[1].stride[1]) {
        TG__T sum = 0;
        for (int k = 0; k < taps; k++) sum += w[k] * (at[k] != INT64_MIN ? x[at[k]] : 0);
        *y = sum;
    }
}
/* Which element of its plane each tap of a place is, behind the last one where it is outside; and its weight. whole[6]: the
   first of the images in work, whole[7]: their entries; part: taps of a place. */
TG__INLINE void TG__CU(tg__cu_grid_listed)(const tg__cu_walk *r, int64_t i) {
    const int64_t step[3] = { r->o[0].size[3] * r->o[0].size[4], r->o[0].size[4], 1 }, none = r->o[0].size[2] * step[0];
    int64_t *element = (int64_t *)r->work + 2 * r->whole[7] + i * r->part;
    TG__T *w = (TG__T *)((int64_t *)r->work + 3 * r->whole[7]) + i * r->part;
    TG__CU(tg__cu_tapped) s;
    TG__CU(tg__cu_look_up)(r, r->whole[6] + i / r->length, i % r->length, 0, &s);
    TG__CU_TAPS_OF(s) {
        *element++ = TG__CU_TAP_IN(s) ? TG__CU_TAP_AT(s, step) : none;
        *w++ = (TG__T)(s.line[0].w[e] * s.line[1].w[f] * s.line[2].w[k]);
    }
}
/* An element of the picture and some channels, four of them at once: the run of its entries is found in the sorted ones. */
TG__INLINE void TG__CU(tg__cu_grid_given)(const tg__cu_walk *r, int64_t i) {
    const int64_t size = r->o[0].size[2] * r->o[0].size[3] * r->o[0].size[4], q = i % size,
        image = i / size / r->pieces, n = r->whole[6] + image, entries = r->length * r->part;
    const int64_t *const sorted = (const int64_t *)r->work + image * entries, *const entry = sorted + r->whole[7];
    const TG__T *const w = (const TG__T *)((const int64_t *)r->work + 3 * r->whole[7]) + image * entries;
    int64_t c = i / size % r->pieces * r->piece, low = 0, high = entries;
    const int64_t end = c + r->piece < r->o[0].size[1] ? c + r->piece : r->o[0].size[1];
    while (low < high) {
        const int64_t mid = (low + high) / 2;
        if (sorted[mid] < q) low = mid + 1; else high = mid;
    }
    for (; c < end; c += 4) {
        const TG__T *const g = (const TG__T *)r->o[1].p + n * r->o[1].stride[0] + c * r->o[1].stride[1];
        TG__T *const to = (TG__T *)r->o[0].p + n * r->o[0].stride[0] + c * r->o[0].stride[1] + tg__cu_offset(3,
            r->o[0].size + 2, r->o[0].stride + 2, q);
        TG__T sum[4] = { 0, 0, 0, 0 };
        int u;
        for (int64_t e = low; e < entries && sorted[e] == q; e++) {
            const int64_t at = tg__cu_offset(3, r->shape + 1, r->o[1].stride + 2, entry[e] / r->part);
            const TG__T weight = w[entry[e]];
            TG__CU_UNROLL for (u = 0; u < 4; u++) if (c + u < end) sum[u] += weight * g[at + u * r->o[1].stride[1]];
        }
        TG__CU_UNROLL for (u = 0; u < 4; u++) if (c + u < end) to[u * r->o[0].stride[1]] = sum[u];
    }
}
/* The gradient by a place: what its taps come to, over all channels, has weights for each dimension. */
TG__INLINE void TG__CU(tg__cu_grid_placed)(const tg__cu_walk *r, int64_t i) {
    const int64_t n = i / r->length, q = i % r->length;
    const TG__T *const g = (const TG__T *)r->o[1].p + n * r->o[1].stride[0] + tg__cu_offset(3, r->shape + 1,
        r->o[1].stride + 2, q), *const x = (const TG__T *)r->o[0].p + n * r->o[0].stride[0];
    TG__T *const to = (TG__T *)r->o[3].p + n * r->o[3].stride[0] + tg__cu_offset(3, r->shape + 1, r->o[3].stride + 1, q);
    TG__CU(tg__cu_tapped) s;
    double total[3] = { 0, 0, 0 };
    TG__CU(tg__cu_look_up)(r, n, q, 1, &s);
    TG__CU_TAPS_OF(s) {
        double sum = 0;
        if (TG__CU_TAP_IN(s)) {
            const TG__T *at = x + TG__CU_TAP_AT(s, r->o[0].stride + 2);
            for (int64_t c = 0; c < r->o[0].size[1]; c++) sum += (double)g[c * r->o[1].stride[1]] * (double)at[c * r->o[0].stride[1]];
        }
        total[0] += s.more[0].w[e] * s.line[1].w[f] * s.line[2].w[k] * sum;
        total[1] += s.line[0].w[e] * s.more[1].w[f] * s.line[2].w[k] * sum;
        total[2] += s.line[0].w[e] * s.line[1].w[f] * s.more[2].w[k] * sum;
    }
    for (int d = r->o[2].size[4] == 2; d < 3; d++) to[(2 - d) * r->o[3].stride[4]] = (TG__T)total[d];
}
#undef TG__CU_TAPS_OF
#undef TG__CU_TAP_IN
#undef TG__CU_TAP_AT
TG__CU_KERNEL(TG__CU(tg__cu_grid), tg__cu_walk, { TG__CU_THREADS(t) TG__CU_EACH(i) TG__CU(tg__cu_gridded)(r, i); })
TG__CU_KERNEL(TG__CU(tg__cu_grid_entries), tg__cu_walk, { TG__CU_THREADS(t) TG__CU_EACH(i) TG__CU(tg__cu_grid_listed)(r, i); })
TG__CU_KERNEL(TG__CU(tg__cu_grid_back), tg__cu_walk, { TG__CU_THREADS(t) TG__CU_EACH(i) TG__CU(tg__cu_grid_given)(r, i); })
TG__CU_KERNEL(TG__CU(tg__cu_grid_place), tg__cu_walk, { TG__CU_THREADS(t) TG__CU_EACH(i) TG__CU(tg__cu_grid_placed)(r, i); })
#endif

#if (!defined(TG__CU_ONLY) || defined(TG__CU_ONLY_BOXES)) && TG__CU_TYPE != 0
/* ---- boxes. o[0] is the picture, o[1] the bins, o[2] the boxes, all of the type that is computed in ---- */
TG__INLINE tg__boxes_rule TG__CU(tg__cu_boxes_rule)(const tg__cu_walk *r) {
    tg__boxes_rule rule;
    rule.ratio = r->whole[0]; rule.aligned = r->whole[1] != 0; rule.wide = sizeof(TG__T) == 8; rule.scale = r->numbers[0];
    for (int k = 0; k < 2; k++) { rule.bins[k] = r->o[1].size[3 + k]; rule.size[k] = r->o[0].size[3 + k]; }
    return rule;
}
TG__INLINE tg__box TG__CU(tg__cu_box_of)(const tg__cu_boxed *b) {
    tg__box box;
    for (int k = 0; k < 2; k++) { box.start[k] = b->start[k]; box.bin[k] = b->bin[k]; box.points[k] = b->points[k]; }
    return box;
}
TG__INLINE void TG__CU(tg__cu_boxes_looked)(const tg__cu_walk *r, int64_t i) {
    const tg__boxes_rule rule = TG__CU(tg__cu_boxes_rule)(r);
    tg__cu_boxed *const b = (tg__cu_boxed *)r->work + i;
    double row[5];
    tg__box box;
    for (int k = 0; k < 5; k++) row[k] = (double)((const TG__T *)r->o[2].p)[i * r->o[2].stride[0] + k * r->o[2].stride[1]];
    if (!(row[0] > -1 && row[0] < (double)r->o[0].size[0])) { TG__CU_FLAG(r->flag, 16u); b->picture = -1; return; }
    box = tg__boxes_box(&rule, row);
    b->picture = (int64_t)row[0]; b->share = tg__boxes_share(&box);
    for (int k = 0; k < 2; k++) {
        const double one = box.start[k], other = one + (double)rule.bins[k] * box.bin[k],
            from = tg__floor(one < other ? one : other) - 1, to = tg__floor(one < other ? other : one) + 2,
            size = (double)rule.size[k];
        b->start[k] = one; b->bin[k] = box.bin[k]; b->points[k] = box.points[k];
        b->low[k] = 1; b->high[k] = 0;                                    /* of NaN there are no points */
        if (from <= to) {
            b->low[k] = (int64_t)(from < -2 ? -2 : from > size ? size : from);
            b->high[k] = (int64_t)(to < -2 ? -2 : to > size ? size : to);
        }
    }
}
/* A bin and some channels are a thread's. */
TG__INLINE void TG__CU(tg__cu_boxes_met)(const tg__cu_walk *r, int64_t i) {
    const tg__boxes_rule rule = TG__CU(tg__cu_boxes_rule)(r);
    const int64_t bin_w = i % rule.bins[1], bin_h = i / rule.bins[1] % rule.bins[0],
        c = i / rule.bins[1] / rule.bins[0] % r->pieces * TG__CU_BOX_CHANNELS,
        at = i / rule.bins[1] / rule.bins[0] / r->pieces;
    const tg__cu_boxed *const b = (const tg__cu_boxed *)r->work + at;
    const tg__box box = TG__CU(tg__cu_box_of)(b);
    const int64_t *const xs = r->o[0].stride, *const ys = r->o[1].stride, many = r->o[0].size[1] - c;
    const TG__T *const x = (const TG__T *)r->o[0].p + b->picture * xs[0] + c * xs[1];
    TG__T *const y = (TG__T *)r->o[1].p + at * ys[0] + c * ys[1] + bin_h * ys[3] + bin_w * ys[4];
    double sum[TG__CU_BOX_CHANNELS];
    int64_t first[2], end[2], e, f;
    tg__box_point h, w;
    int u;
    if (b->picture < 0) return;
    TG__CU_UNROLL for (u = 0; u < TG__CU_BOX_CHANNELS; u++) sum[u] = 0;
    tg__boxes_range(&box, 0, bin_h, -1, (double)rule.size[0], &first[0], &end[0]);
    tg__boxes_range(&box, 1, bin_w, -1, (double)rule.size[1], &first[1], &end[1]);
    for (e = first[0]; e < end[0]; e++) {
        if (!tg__boxes_point(&rule, &box, 0, bin_h, e, &h)) continue;
        for (f = first[1]; f < end[1]; f++) {
            if (!tg__boxes_point(&rule, &box, 1, bin_w, f, &w)) continue;
            for (int k = 0; k < 4; k++) {
                const double weight = h.w[k / 2] * w.w[k % 2] * b->share;
                const TG__T *const p = x + h.at[k / 2] * xs[3] + w.at[k % 2] * xs[4];
                if (weight > 0 || weight < 0) {
                    TG__CU_UNROLL for (u = 0; u < TG__CU_BOX_CHANNELS; u++) if (u < many) sum[u] += weight * (double)p[u * xs[1]];
                }
            }
        }
    }
    TG__CU_UNROLL for (u = 0; u < TG__CU_BOX_CHANNELS; u++) if (u < many) y[u * ys[1]] = (TG__T)sum[u];
}
/* An element of the picture and some channels: of each box the bins, of each bin the points that can lie beside it. */
TG__INLINE void TG__CU(tg__cu_boxes_given)(const tg__cu_walk *r, int64_t i) {
    const tg__boxes_rule rule = TG__CU(tg__cu_boxes_rule)(r);
    const int64_t place[2] = { i / rule.size[1] % rule.size[0], i % rule.size[1] },
        c = i / rule.size[1] / rule.size[0] % r->pieces * TG__CU_BOX_CHANNELS,
        n = i / rule.size[1] / rule.size[0] / r->pieces;
    const int64_t *const xs = r->o[0].stride, *const ys = r->o[1].stride, many = r->o[0].size[1] - c;
    TG__T *const x = (TG__T *)r->o[0].p + n * xs[0] + c * xs[1] + place[0] * xs[3] + place[1] * xs[4];
    double low[2], high[2];
    TG__T sum[TG__CU_BOX_CHANNELS];
    int64_t at, e, f, first[2], end[2], bin[2];
    tg__box_point h, w;
    int u, k;
    /* the first and the last one have what lies up to 1 outside, too */
    for (k = 0; k < 2; k++) { low[k] = (double)(place[k] - 1); high[k] = (double)(place[k] + 1); }
    TG__CU_UNROLL for (u = 0; u < TG__CU_BOX_CHANNELS; u++) sum[u] = 0;
    for (at = 0; at < r->o[2].size[0]; at++) {
        const tg__cu_boxed *const b = (const tg__cu_boxed *)r->work + at;
        const TG__T *const g = (const TG__T *)r->o[1].p + at * ys[0] + c * ys[1];
        tg__box box;
        if (b->picture != n || place[0] < b->low[0] || place[0] > b->high[0] || place[1] < b->low[1] || place[1] > b->high[1]) continue;
        box = TG__CU(tg__cu_box_of)(b);
        for (bin[0] = 0; bin[0] < rule.bins[0]; bin[0]++) {
            tg__boxes_range(&box, 0, bin[0], low[0], high[0], &first[0], &end[0]);
            for (bin[1] = 0; bin[1] < rule.bins[1] && first[0] < end[0]; bin[1]++) {
                tg__boxes_range(&box, 1, bin[1], low[1], high[1], &first[1], &end[1]);
                for (e = first[0]; e < end[0] && first[1] < end[1]; e++) {
                    if (!tg__boxes_point(&rule, &box, 0, bin[0], e, &h) || (h.at[0] != place[0] && h.at[1] != place[0])) continue;
                    for (f = first[1]; f < end[1]; f++) {
                        if (!tg__boxes_point(&rule, &box, 1, bin[1], f, &w)) continue;
                        for (k = 0; k < 4; k++) {
                            const double weight = h.w[k / 2] * w.w[k % 2] * b->share;
                            if (h.at[k / 2] != place[0] || w.at[k % 2] != place[1] || !(weight > 0 || weight < 0)) continue;
                            TG__CU_UNROLL for (u = 0; u < TG__CU_BOX_CHANNELS; u++) if (u < many) sum[u] += (TG__T)(weight * (double)g[u * ys[1] + bin[0] * ys[3] + bin[1] * ys[4]]);
                        }
                    }
                }
            }
        }
    }
    TG__CU_UNROLL for (u = 0; u < TG__CU_BOX_CHANNELS; u++) if (u < many) x[u * xs[1]] = sum[u];
}
TG__CU_KERNEL(TG__CU(tg__cu_boxes_look), tg__cu_walk, { TG__CU_THREADS(t) TG__CU_EACH(i) TG__CU(tg__cu_boxes_looked)(r, i); })
TG__CU_KERNEL(TG__CU(tg__cu_boxes), tg__cu_walk, { TG__CU_THREADS(t) TG__CU_EACH(i) TG__CU(tg__cu_boxes_met)(r, i); })
TG__CU_KERNEL(TG__CU(tg__cu_boxes_back), tg__cu_walk, { TG__CU_THREADS(t) TG__CU_EACH(i) TG__CU(tg__cu_boxes_given)(r, i); })
#endif

#if (!defined(TG__CU_ONLY) || defined(TG__CU_ONLY_RNN)) && TG__CU_TYPE != 0
/* ---- rnn: a step of a cell, the rules of >>pass-rnn, a unit at a time ---- */
/* {text: cells of tensorgrad.h} */
TG__INLINE tg__rnn_run TG__CU(tg__cu_unit)(const tg__cu_walk *r, int64_t i) {
    const int64_t row = i / r->length, unit = i - row * r->length;
    tg__rnn_run run;
    run.n = 1; run.width = r->length; run.keep = r->whole[0] != 0;
    TG__CU_UNROLL for (int k = 0; k < 8; k++) run.p[k] = r->o[k].p ? r->o[k].p + (row * r->o[k].step + unit) * (int64_t)sizeof(TG__T) : 0;
    return run;
}
TG__CU_KERNEL(TG__CU(tg__cu_rnn), tg__cu_walk,
    { TG__CU_THREADS(t) TG__CU_EACH(i) {
    const tg__rnn_run run = TG__CU(tg__cu_unit)(r, i); TG__FT(tg__rnn_ahead)(r->kind, &run); } })
TG__CU_KERNEL(TG__CU(tg__cu_rnn_back), tg__cu_walk,
    { TG__CU_THREADS(t) TG__CU_EACH(i) {
    const tg__rnn_run run = TG__CU(tg__cu_unit)(r, i); TG__FT(tg__rnn_back)(r->kind, &run); } })
#endif

#if (!defined(TG__CU_ONLY) || defined(TG__CU_ONLY_OPTIM)) && TG__CU_TYPE != 0
/* ---- optim: the rules of >>pass-optim, an element at a time ---- */
/* {text: rules of tensorgrad.h} */
#undef TG__CU_RULE
#ifdef TG__CU_KIND
#define TG__CU_RULE(asked) TG__CU_KIND
#else
#define TG__CU_RULE(asked) (asked)
#endif
/* v: of one element its parameter, master copy, three numbers of the rule's state, gradient; `there` has a bit for each */
TG__INLINE void TG__CU(tg__cu_step_of)(int kind, const double *number, const int64_t *whole, unsigned there, TG__T *v) {
    TG__T stepped = there & 2 ? v[1] : v[0];
    tg__optim_run run;
    run.n = 1; run.kind = TG__CU_RULE(kind); run.number = number; run.whole = whole;
    run.p = &stepped; run.g = &v[5];
    run.s[0] = there & 4 ? &v[2] : 0; run.s[1] = there & 8 ? &v[3] : 0; run.s[2] = there & 16 ? &v[4] : 0;
    TG__FT(tg__optim_whole)(&run);
    v[0] = v[1] = stepped;
}
TG__CU_KERNEL(TG__CU(tg__cu_step), tg__cu_optim, { TG__CU_THREADS(t) TG__CU_EACH(i) {
    TG__T v[6];
    unsigned there = 0;
    TG__CU_PLACES(6)
    if (r->rows) {
        const int64_t q = i / r->row, place = r->rows[q] * r->row + (i - q * r->row);
        TG__CU_UNROLL for (int k = 0; k < 5; k++) at[k] = place;
        at[5] = i;
    }
    TG__CU_UNROLL for (int k = 0; k < 6; k++) { v[k] = r->o[k].p ? TG__CU(tg__cu_get)(TG__CU_D(k), r->o[k].p,
        at[k]) : 0; if (r->o[k].p) there |= 1u << k; }
    TG__CU(tg__cu_step_of)(r->kind, r->number, r->whole, there, v);
    TG__CU_UNROLL for (int k = 0; k < 5; k++) if (r->o[k].p) TG__CU(tg__cu_put)(TG__CU_D(k), r->o[k].p, at[k], v[k]);
} })
/* A block makes a piece of one parameter, by eights where they are aligned. */
#undef TG__CU_D_STEP
#define TG__CU_D_STEP(k) TG__CU_DTYPE(k, r->dtype[k])
TG__CU_KERNEL(TG__CU(tg__cu_steps), tg__cu_steps, {
    const tg__cu_stepped *e = r->each;
    int64_t first = block;
    int64_t end;
    unsigned there = 0;
    for (; first >= e->blocks; e++) first -= e->blocks;
    first *= TG__CU_STEP_PIECE;
    end = e->n - first < TG__CU_STEP_PIECE ? e->n : first + TG__CU_STEP_PIECE;
    TG__CU_UNROLL for (int k = 0; k < 6; k++) if (e->p[k]) there |= 1u << k;
    TG__CU_THREADS(t) {
        const int64_t whole = e->wide ? end - end % 8 : first;
        TG__T v[6];
        for (int64_t i = first + t * 8; i < whole; i += TG__CU_WIDTH * 8) {
            tg__cu_eight eight[6];
            TG__CU_UNROLL for (int k = 0; k < 6; k++) if (e->p[k]) tg__cu_eight_in(TG__CU_D_STEP(k), e->p[k], 1, i, &eight[k]);
            TG__CU_UNROLL for (int n = 0; n < 8; n++) {
                TG__CU_UNROLL for (int k = 0; k < 6; k++) v[k] = e->p[k] ? TG__CU(tg__cu_get)(TG__CU_D_STEP(k),
                    (const char *)&eight[k], n) : 0;
                TG__CU(tg__cu_step_of)(r->kind, r->number, r->whole, there, v);
                TG__CU_UNROLL for (int k = 0; k < 5; k++) if (e->p[k]) TG__CU(tg__cu_put)(TG__CU_D_STEP(k), (char *)&eight[k], n, v[k]);
            }
            TG__CU_UNROLL for (int k = 0; k < 5; k++) if (e->p[k]) tg__cu_eight_out(TG__CU_D_STEP(k), e->p[k], i, &eight[k]);
        }
        for (int64_t i = whole + t; i < end; i += TG__CU_WIDTH) {
            TG__CU_UNROLL for (int k = 0; k < 6; k++) v[k] = e->p[k] ? TG__CU(tg__cu_get)(TG__CU_D_STEP(k), e->p[k], i) : 0;
            TG__CU(tg__cu_step_of)(r->kind, r->number, r->whole, there, v);
            TG__CU_UNROLL for (int k = 0; k < 5; k++) if (e->p[k]) TG__CU(tg__cu_put)(TG__CU_D_STEP(k), e->p[k], i, v[k]);
        }
    }
})
/* What an element adds to a norm. */
TG__INLINE TG__T TG__CU(tg__cu_power)(const tg__cu_optim *r, int64_t i) {
    TG__T v[2];
    tg__optim_run run;
    TG__CU_PLACES(6)
    v[1] = TG__CU(tg__cu_get)(TG__CU_D(5), r->o[5].p, at[5]);
    run.n = 1; run.number = r->number; run.whole = r->whole; run.p = &v[0]; run.g = &v[1];
    TG__FT(tg__optim_powers)(&run);
    return v[0];
}
/* 512 elements over 64 lanes, as >>impl-optim cuts and >>pass-reduce folds them. */
TG__INLINE void TG__CU(tg__cu_power_blocks)(const tg__cu_optim *r, int64_t block) {
    TG__CU_SHARED(TG__T, s, TG__CU_WIDTH);
    int half;
    TG__CU_THREADS(t) {
        const int64_t first = (block * 4 + t / 64) * 512, n = r->n - first < 512 ? r->n - first : 512;
        int64_t i;
        TG__T v;
        if (n <= 0) continue;
        v = t % 64 < n ? TG__CU(tg__cu_power)(r, first + t % 64) : r->whole[1] ? TG__CU(tg__cu_power)(r, first) : 0;
        for (i = t % 64 + 64; i < n; i += 64) {
            const TG__T b = TG__CU(tg__cu_power)(r, first + i); v = r->whole[1] ? TG__W(maxn)(v, b) : v + b;
        }
        s[t] = v;
    }
    TG__CU_BARRIER
    for (half = 32; half > 0; half /= 2) {
        TG__CU_THREADS(t) if (t % 64 < half && r->n - (block * 4 + t / 64) * 512 > half) s[t] = r->whole[1]
            ? TG__W(maxn)(s[t], s[t + half]) : s[t] + s[t + half];
        TG__CU_BARRIER
    }
    TG__CU_THREADS(t) if (t % 64 == 0 && (block * 4 + t / 64) * 512 < r->n) r->partial[block * 4 + t / 64] = (double)s[t];
}
TG__INLINE void TG__CU(tg__cu_power_join)(const tg__cu_optim *r) {
    TG__CU_THREADS(t) {
        double sum = 0;
        if (t) continue;
        for (int64_t i = 0; i * 512 < r->n; i++) {
            const double b = r->partial[i]; sum = !r->whole[1] ? sum + b : sum != sum || sum > b ? sum : b;
        }
        *(double *)r->o[0].p = sum;
    }
}
TG__CU_KERNEL(TG__CU(tg__cu_powers), tg__cu_optim, TG__CU(tg__cu_power_blocks)(r, block))
TG__CU_KERNEL(TG__CU(tg__cu_powers_sum), tg__cu_optim, { (void)block; TG__CU(tg__cu_power_join)(r); })
#endif

#if !defined(TG__CU_ONLY) || defined(TG__CU_ONLY_GEMM) || defined(TG__CU_ONLY_CONV)
/* ---- gemm: in the orders of >>pass-gemm ----
   In order: tiles of 128 x 64 of c, 8 x 4 to a thread. Reductions: 64 lanes to an element of c, or 8 of them to each of
   8 threads where columns of b lie side by side. */
#undef TG__CU_FMA
#undef TG__CU_PLUS
#if TG__CU_TYPE == 32
#define TG__CU_FMA(a, b, c) tg__fma32(a, b, c)
#define TG__CU_PLUS(a, b) ((a) + (b))
#elif TG__CU_TYPE == 64
#define TG__CU_FMA(a, b, c) tg__fma64(a, b, c)
#define TG__CU_PLUS(a, b) ((a) + (b))
#else
#define TG__CU_PLUS(a, b) ((int64_t)((uint64_t)(a) + (uint64_t)(b)))
#define TG__CU_FMA(a, b, c) ((int64_t)((uint64_t)(a) * (uint64_t)(b) + (uint64_t)(c)))
#endif
#ifndef TG__CU_TILE
#define TG__CU_TILE
enum { TG__CU_BM = 128, TG__CU_BN = 64, TG__CU_BK = 16, TG__CU_PAD = TG__CU_BM + 4 };
#endif
/* What 16 rows of a tile of a and as many of b add to the sums: 8 x 4 of them are a thread's. */
TG__INLINE void TG__CU(tg__cu_tile_step)(const TG__T *as, const TG__T *bs, TG__CU_OWN(TG__T, acc, 32)) {
    TG__CU_THREADS(t) {
        const int i0 = t / 16 * 8, j0 = t % 16 * 4;
        int kk, i, j;
        for (kk = 0; kk < TG__CU_BK; kk++) {
            TG__T av[8], bv[4];
            TG__CU_UNROLL for (i = 0; i < 8; i++) av[i] = as[kk * TG__CU_PAD + i0 + i];
            TG__CU_UNROLL for (j = 0; j < 4; j++) bv[j] = bs[kk * TG__CU_BN + j0 + j];
            TG__CU_UNROLL for (i = 0; i < 8; i++) { TG__CU_UNROLL for (j = 0; j < 4; j++) TG__CU_MY(acc,
                t)[i * 4 + j] = TG__CU_FMA(av[i], bv[j], TG__CU_MY(acc, t)[i * 4 + j]); }
        }
    }
}
/* A block's sums are made anew; then they are added to those before. */
TG__INLINE void TG__CU(tg__cu_tile_clear)(TG__CU_OWN(TG__T, acc, 32)) {
    TG__CU_THREADS(t) if (t < TG__CU_WIDTH) { TG__CU_UNROLL for (int e = 0; e < 32; e++) TG__CU_MY(acc, t)[e] = 0; }
}
TG__INLINE void TG__CU(tg__cu_tile_add)(TG__CU_OWN(TG__T, total, 32), TG__CU_OWN(TG__T, acc, 32), int first) {
    TG__CU_THREADS(t) if (t < TG__CU_WIDTH) { TG__CU_UNROLL for (int e = 0; e < 32; e++) TG__CU_MY(total, t)[e] =
        first ? TG__CU_MY(acc, t)[e] : TG__CU_PLUS(TG__CU_MY(total, t)[e], TG__CU_MY(acc, t)[e]); }
}
#if !defined(TG__CU_ONLY) || defined(TG__CU_ONLY_GEMM)
/* An element of b, which may lie in blocks. */
TG__INLINE TG__T TG__CU(tg__cu_of_b)(const tg__cu_gemm *r, int64_t at) {
#if TG__CU_TYPE == 32
    if (TG__CU_DTYPE(2, r->tb) > 9) return tg__cu_get_block(TG__CU_DTYPE(2, r->tb), r->b, at);
#endif
    return TG__CU(tg__cu_get)(TG__CU_DTYPE(2, r->tb), r->b, at);
}
/* An element of c from its sum; c_at, bias_at: where the matrices begin. */
TG__INLINE void TG__CU(tg__cu_finish)(const tg__cu_gemm *r, int64_t c_at, int64_t bias_at, int64_t i, int64_t j, TG__T v) {
    const int64_t at = c_at + i * r->c_rs + j * r->c_cs;
    if (r->bias) v = TG__CU_PLUS(v, TG__CU(tg__cu_get)(TG__CU_DTYPE(0, r->tc), r->bias, bias_at + i * r->bias_rs + j * r->bias_cs));
    if (r->accumulate) v = TG__CU_PLUS(TG__CU(tg__cu_get)(TG__CU_DTYPE(0, r->tc), r->c, at), v);
    TG__CU(tg__cu_put)(TG__CU_DTYPE(0, r->tc), r->c, at, v);
}
/* The sum of one block, or of all. */
TG__INLINE void TG__CU(tg__cu_part)(const tg__cu_gemm *r, int64_t batch, int64_t q, int64_t i, int64_t j, TG__T v) {
    if (r->partial) ((TG__T *)r->partial)[((batch * r->blocks + q) * r->m + i) * r->n + j] = v;
    else
        TG__CU(tg__cu_finish)(r, tg__cu_offset(r->ndim, r->shape, r->bc, batch),
            tg__cu_offset(r->ndim, r->shape, r->bbias, batch), i, j, v);
}
TG__INLINE void TG__CU(tg__cu_tiles)(const tg__cu_gemm *r, int64_t block) {
    TG__CU_SHARED(TG__T, as, TG__CU_BK * TG__CU_PAD);
    TG__CU_SHARED(TG__T, bs, TG__CU_BK * TG__CU_BN);
    TG__CU_OWN(TG__T, acc, 32);
    TG__CU_OWN(TG__T, total, 32);
    const int64_t mt = (r->m + TG__CU_BM - 1) / TG__CU_BM, nt = (r->n + TG__CU_BN - 1) / TG__CU_BN, parts = r->partial ? r->blocks : 1;
    const int64_t row = block % mt * TG__CU_BM, col = block / mt % nt * TG__CU_BN, q = block / mt / nt % parts,
        batch = block / mt / nt / parts;
    const int64_t a_at = tg__cu_offset(r->ndim, r->shape, r->ba, batch), b_at = tg__cu_offset(r->ndim, r->shape, r->bb, batch);
    int64_t kb, k0;
    for (kb = r->partial ? q : 0; kb < (r->partial ? q + 1 : r->blocks); kb++) {
        const int64_t end = (kb + 1) * r->block < r->k ? (kb + 1) * r->block : r->k;
        TG__CU(tg__cu_tile_clear)(acc);
        for (k0 = kb * r->block; k0 < end; k0 += TG__CU_BK) {
            TG__CU_THREADS(t) {
                int e;
                for (e = t; e < TG__CU_BM * TG__CU_BK; e += TG__CU_WIDTH) {     /* along what lies side by side */
                    const int kk = r->a_cs == 1 ? e % TG__CU_BK : e / TG__CU_BM, i = r->a_cs == 1 ? e / TG__CU_BK : e % TG__CU_BM;
                    as[kk * TG__CU_PAD + i] = k0 + kk < end &&
                        row + i < r->m ? TG__CU(tg__cu_get)(TG__CU_DTYPE(1, r->ta), r->a,
                        a_at + (row + i) * r->a_rs + (k0 + kk) * r->a_cs) : 0;
                }
                for (e = t; e < TG__CU_BN * TG__CU_BK; e += TG__CU_WIDTH) {
                    const int kk = r->b_cs == 1 ? e / TG__CU_BN : e % TG__CU_BK, j = r->b_cs == 1 ? e % TG__CU_BN : e / TG__CU_BK;
                    bs[kk * TG__CU_BN + j] = k0 + kk < end && col + j < r->n ? TG__CU(tg__cu_of_b)(r,
                        b_at + (k0 + kk) * r->b_rs + (col + j) * r->b_cs) : 0;
                }
            }
            TG__CU_BARRIER
            TG__CU(tg__cu_tile_step)(as, bs, acc);
            TG__CU_BARRIER
        }
        TG__CU(tg__cu_tile_add)(total, acc, kb == 0 || r->partial);
    }
    TG__CU_THREADS(t) {
        const int i0 = t / 16 * 8, j0 = t % 16 * 4;
        const int64_t c_at = tg__cu_offset(r->ndim, r->shape, r->bc, batch),
            bias_at = tg__cu_offset(r->ndim, r->shape, r->bbias, batch), part = (batch * r->blocks + q) * r->m;
        TG__CU_UNROLL for (int e = 0; e < 32; e++) {
            const int64_t i = row + i0 + e / 4, j = col + j0 + e % 4;
            if (i >= r->m || j >= r->n) continue;
            if (r->partial) ((TG__T *)r->partial)[(part + i) * r->n + j] = TG__CU_MY(total, t)[e];
            else TG__CU(tg__cu_finish)(r, c_at, bias_at, i, j, TG__CU_MY(total, t)[e]);
        }
    }
}
TG__INLINE void TG__CU(tg__cu_dots)(const tg__cu_gemm *r, int64_t block) {
    TG__CU_SHARED(TG__T, s, TG__CU_WIDTH);
    const int64_t items = r->batch * r->blocks * r->m * r->n;
    int half;
    TG__CU_THREADS(t) {
        const int64_t item = block * 4 + t / 64, j = item % r->n, i = item / r->n % r->m,
            q = item / r->n / r->m % r->blocks, batch = item / r->n / r->m / r->blocks;
        const int64_t end = (q + 1) * r->block < r->k ? (q + 1) * r->block : r->k;
        int64_t a_at, b_at, k;
        TG__T v = 0;
        if (item >= items) continue;
        a_at = tg__cu_offset(r->ndim, r->shape, r->ba, batch) + i * r->a_rs;
        b_at = tg__cu_offset(r->ndim, r->shape, r->bb, batch) + j * r->b_cs;
        for (k = q * r->block + t % 64; k < end; k += 64)
            v = TG__CU_FMA(TG__CU(tg__cu_get)(TG__CU_DTYPE(1, r->ta), r->a, a_at + k * r->a_cs),
                TG__CU(tg__cu_of_b)(r, b_at + k * r->b_rs), v);
        s[t] = v;
    }
    TG__CU_BARRIER
    for (half = 32; half > 0; half /= 2) {
        TG__CU_THREADS(t) if (t % 64 < half && block * 4 + t / 64 < items) s[t] = TG__CU_PLUS(s[t], s[t + half]);
        TG__CU_BARRIER
    }
    TG__CU_THREADS(t) {
        const int64_t item = block * 4 + t / 64;
        if (t % 64 == 0 && item < items)
            TG__CU(tg__cu_part)(r, item / r->n / r->m / r->blocks, item / r->n / r->m % r->blocks, item / r->n % r->m, item % r->n, s[t]);
    }
}
/* Thread t has column t % 32 and of its lanes t / 32, t / 32 + 8, ... */
TG__INLINE void TG__CU(tg__cu_lanes)(const tg__cu_gemm *r, int64_t block) {
    TG__CU_SHARED(TG__T, s, TG__CU_WIDTH);
    const int64_t nt = (r->n + 31) / 32, i = block / nt % r->m, q = block / nt / r->m % r->blocks, batch = block / nt / r->m / r->blocks;
    const int64_t end = (q + 1) * r->block < r->k ? (q + 1) * r->block : r->k;
    int half;
    TG__CU_THREADS(t) {
        const int64_t j = block % nt * 32 + t % 32;
        int64_t a_at, b_at, k;
        TG__T lane[8];
        int e;
        if (j >= r->n) continue;
        a_at = tg__cu_offset(r->ndim, r->shape, r->ba, batch) + i * r->a_rs;
        b_at = tg__cu_offset(r->ndim, r->shape, r->bb, batch) + j * r->b_cs;
        TG__CU_UNROLL for (e = 0; e < 8; e++) lane[e] = 0;
        for (k = q * r->block + t / 32; k < end; k += 64) {
            TG__CU_UNROLL for (e = 0; e < 8; e++)
                if (k + e * 8 < end)
                    lane[e] = TG__CU_FMA(TG__CU(tg__cu_get)(TG__CU_DTYPE(1, r->ta), r->a,
                        a_at + (k + e * 8) * r->a_cs), TG__CU(tg__cu_of_b)(r, b_at + (k + e * 8) * r->b_rs), lane[e]);
        }
        TG__CU_UNROLL for (e = 0; e < 4; e++) lane[e] = TG__CU_PLUS(lane[e], lane[e + 4]);
        s[t] = TG__CU_PLUS(TG__CU_PLUS(lane[0], lane[2]), TG__CU_PLUS(lane[1], lane[3]));
    }
    TG__CU_BARRIER
    for (half = 4; half > 0; half /= 2) {
        TG__CU_THREADS(t) if (t / 32 < half && block % nt * 32 + t % 32 < r->n) s[t] = TG__CU_PLUS(s[t], s[t + half * 32]);
        TG__CU_BARRIER
    }
    TG__CU_THREADS(t) if (t < 32 && block % nt * 32 + t < r->n) TG__CU(tg__cu_part)(r, batch, q, i, block % nt * 32 + t, s[t]);
}
TG__INLINE void TG__CU(tg__cu_add_parts)(const tg__cu_gemm *r, int64_t block) {
    TG__CU_THREADS(t) {
        const int64_t at = block * TG__CU_WIDTH + t, each = r->m * r->n, batch = at / each;
        const TG__T *part = (const TG__T *)r->partial;
        TG__T v;
        int64_t q;
        if (at >= r->batch * each) continue;
        part += batch * r->blocks * each + at % each;
        v = part[0];
        for (q = 1; q < r->blocks; q++) v = TG__CU_PLUS(v, part[q * each]);
        TG__CU(tg__cu_finish)(r, tg__cu_offset(r->ndim, r->shape, r->bc, batch),
            tg__cu_offset(r->ndim, r->shape, r->bbias, batch), at % each / r->n, at % r->n, v);
    }
}
TG__CU_KERNEL(TG__CU(tg__cu_gemm_tiles), tg__cu_gemm, TG__CU(tg__cu_tiles)(r, block))
TG__CU_KERNEL(TG__CU(tg__cu_gemm_dots), tg__cu_gemm, TG__CU(tg__cu_dots)(r, block))
TG__CU_KERNEL(TG__CU(tg__cu_gemm_lanes), tg__cu_gemm, TG__CU(tg__cu_lanes)(r, block))
TG__CU_KERNEL(TG__CU(tg__cu_gemm_parts), tg__cu_gemm, TG__CU(tg__cu_add_parts)(r, block))
#endif
#endif

#if (!defined(TG__CU_ONLY) || defined(TG__CU_ONLY_CONV)) && TG__CU_TYPE != 0
/* ---- conv: products of matrices, of which one is gathered from images while it is read ---- */
#ifndef TG__CU_CONV
#define TG__CU_CONV
typedef struct tg__cu_spot { int64_t at; int32_t z, y, x; } tg__cu_spot;
    /* a row's or a k's part of an element of the gathered operand */
/* i as four numbers. */
TG__INLINE void tg__cu_split(const int64_t *size, int64_t i, int64_t *p) {
    TG__CU_ROLL for (int d = 3; d > 0; d--) { const int64_t q = i / size[d]; p[d] = i - q * size[d]; i = q; }
    p[0] = i;
}
TG__INLINE int64_t tg__cu_four(const int64_t *p, const int64_t *step) {
    return p[0] * step[0] + p[1] * step[1] + p[2] * step[2] + p[3] * step[3];
}
TG__INLINE tg__cu_spot tg__cu_row_spot(const tg__cu_conv *r, const int64_t *p) {
    tg__cu_spot s;
    s.at = p[0] * r->m_step;
    s.z = (int32_t)p[1] * r->m_scale[0] + r->shift[0]; s.y = (int32_t)p[2] * r->m_scale[1] + r->shift[1];
    s.x = (int32_t)p[3] * r->m_scale[2] + r->shift[2];
    return s;
}
TG__INLINE tg__cu_spot tg__cu_k_spot(const tg__cu_conv *r, const int64_t *p) {
    tg__cu_spot s;
    s.at = p[0] * r->k_step;
    s.z = (int32_t)p[1] * r->k_scale[0]; s.y = (int32_t)p[2] * r->k_scale[1]; s.x = (int32_t)p[3] * r->k_scale[2];
    return s;
}
/* Is there an element at v along dimension d? Strided convolutions' gradients have one at every divide-th place. */
TG__INLINE int tg__cu_inside(const tg__cu_conv *r, int d, int32_t *v) {
    if (r->divide[d] != 1) {
        if (*v < 0 || *v % r->divide[d]) return 0;
        *v /= r->divide[d];
    }
    return (uint32_t)*v < (uint32_t)r->size[d];
}
#endif
TG__INLINE TG__T TG__CU(tg__cu_gathered)(const tg__cu_conv *r, int64_t at, const tg__cu_spot *m, const tg__cu_spot *k) {
    int32_t z = m->z + k->z, y = m->y + k->y, x = m->x + k->x;
    if (!tg__cu_inside(r, 0, &z) || !tg__cu_inside(r, 1, &y) || !tg__cu_inside(r, 2, &x)) return 0;
    return TG__CU(tg__cu_get)(TG__CU_DTYPE(0, r->dtype), r->in,
        at + m->at + k->at + z * r->in_step[0] + y * r->in_step[1] + x * r->in_step[2]);
}
TG__INLINE void TG__CU(tg__cu_conv_put)(const tg__cu_conv *r, int64_t group, int64_t m, int64_t n, TG__T v) {
    int64_t p[4];
    if (r->bias) v += TG__CU(tg__cu_get)(TG__CU_DTYPE(0, r->dtype), r->bias, (group * r->n + n) * r->bias_step);
    tg__cu_split(r->m_size, m, p);
    TG__CU(tg__cu_put)(TG__CU_DTYPE(0, r->dtype), r->y, group * r->y_group + n * r->y_n + tg__cu_four(p, r->y_m), v);
}
TG__INLINE void TG__CU(tg__cu_conv_sum)(const tg__cu_conv *r, int64_t group, int64_t q, int64_t m, int64_t n, TG__T v) {
    if (r->partial) ((TG__T *)r->partial)[((group * r->blocks + q) * r->n + n) * r->m + m] = v;
    else TG__CU(tg__cu_conv_put)(r, group, m, n, v);
}
TG__INLINE void TG__CU(tg__cu_conv_tile)(const tg__cu_conv *r, int64_t block) {
    TG__CU_SHARED(TG__T, as, TG__CU_BK * TG__CU_PAD);
    TG__CU_SHARED(TG__T, bs, TG__CU_BK * TG__CU_BN);
    TG__CU_SHARED(tg__cu_spot, ks, TG__CU_BK);
    TG__CU_SHARED(int64_t, kf, TG__CU_BK);
    TG__CU_OWN(TG__T, acc, 32);
    TG__CU_OWN(TG__T, total, 32);
    TG__CU_OWN(tg__cu_spot, own, 1);                                      /* of the row that this thread gathers */
    const int64_t mt = (r->m + TG__CU_BM - 1) / TG__CU_BM, nt = (r->n + TG__CU_BN - 1) / TG__CU_BN, parts = r->partial ? r->blocks : 1;
    const int64_t row = block % mt * TG__CU_BM, col = block / mt % nt * TG__CU_BN, q = block / mt / nt % parts,
        group = block / mt / nt / parts;
    int64_t kb, k0;
    TG__CU_THREADS(t) {
        int64_t p[4] = { 0, 0, 0, 0 };
        if (row + t % TG__CU_BM < r->m) tg__cu_split(r->m_size, row + t % TG__CU_BM, p);
        TG__CU_MY(own, t)[0] = tg__cu_row_spot(r, p);
    }
    for (kb = r->partial ? q : 0; kb < (r->partial ? q + 1 : r->blocks); kb++) {
        const int64_t end = (kb + 1) * r->block < r->k ? (kb + 1) * r->block : r->k;
        TG__CU(tg__cu_tile_clear)(acc);
        for (k0 = kb * r->block; k0 < end; k0 += TG__CU_BK) {
            TG__CU_THREADS(t) if (t < TG__CU_BK) {                        /* k is taken apart once for all rows and columns */
                int64_t p[4] = { 0, 0, 0, 0 };
                if (k0 + t < end) tg__cu_split(r->k_size, k0 + t, p);
                ks[t] = tg__cu_k_spot(r, p);
                kf[t] = tg__cu_four(p, r->f_k);
            }
            TG__CU_BARRIER
            TG__CU_THREADS(t) {
                int e;
                for (e = t; e < TG__CU_BM * TG__CU_BK; e += TG__CU_WIDTH) {
                    const int kk = e / TG__CU_BM, i = e % TG__CU_BM;
                    as[kk * TG__CU_PAD + i] = k0 + kk < end && row + i < r->m ? TG__CU(tg__cu_gathered)(r,
                        group * r->in_group, &TG__CU_MY(own, t)[0], &ks[kk]) : 0;
                }
                for (e = t; e < TG__CU_BN * TG__CU_BK; e += TG__CU_WIDTH) {
                    const int kk = e / TG__CU_BN, j = e % TG__CU_BN;
                    bs[kk * TG__CU_BN + j] = k0 + kk < end &&
                        col + j < r->n ? TG__CU(tg__cu_get)(TG__CU_DTYPE(0, r->dtype), r->filter,
                        group * r->f_group + (col + j) * r->f_n + kf[kk]) : 0;
                }
            }
            TG__CU_BARRIER
            TG__CU(tg__cu_tile_step)(as, bs, acc);
            TG__CU_BARRIER
        }
        TG__CU(tg__cu_tile_add)(total, acc, kb == 0 || r->partial);
    }
    TG__CU_THREADS(t) {
        TG__CU_UNROLL for (int e = 0; e < 32; e++) {
            const int64_t m = row + t / 16 * 8 + e / 4, n = col + t % 16 * 4 + e % 4;
            if (m < r->m && n < r->n) TG__CU(tg__cu_conv_sum)(r, group, q, m, n, TG__CU_MY(total, t)[e]);
        }
    }
}
/* Few columns to a group, as where each channel has its own filter: a thread for each sum. */
TG__INLINE void TG__CU(tg__cu_conv_one)(const tg__cu_conv *r, int64_t item) {
    const int64_t parts = r->partial ? r->blocks : 1, m = item % r->m, n = item / r->m % r->n,
        q = item / r->m / r->n % parts, group = item / r->m / r->n / parts;
    int64_t p[4], kb, k;
    tg__cu_spot row;
    TG__T total = 0;
    if (group >= r->groups) return;
    tg__cu_split(r->m_size, m, p);
    row = tg__cu_row_spot(r, p);
    for (kb = r->partial ? q : 0; kb < (r->partial ? q + 1 : r->blocks); kb++) {
        const int64_t end = (kb + 1) * r->block < r->k ? (kb + 1) * r->block : r->k;
        TG__T sum = 0;
        tg__cu_split(r->k_size, kb * r->block, p);
        for (k = kb * r->block; k < end; k++) {
            const tg__cu_spot at = tg__cu_k_spot(r, p);
            sum = TG__CU_FMA(TG__CU(tg__cu_gathered)(r, group * r->in_group, &row, &at),
                TG__CU(tg__cu_get)(TG__CU_DTYPE(0, r->dtype), r->filter,
                group * r->f_group + n * r->f_n + tg__cu_four(p, r->f_k)), sum);
            if (++p[3] == r->k_size[3]) {
                p[3] = 0; if (++p[2] == r->k_size[2]) { p[2] = 0; if (++p[1] == r->k_size[1]) { p[1] = 0; p[0]++; } }
            }
        }
        total = kb == 0 || r->partial ? sum : total + sum;
    }
    TG__CU(tg__cu_conv_sum)(r, group, q, m, n, total);
}
TG__INLINE void TG__CU(tg__cu_conv_join)(const tg__cu_conv *r, int64_t i) {
    const int64_t each = r->m * r->n, group = i / each;
    const TG__T *part = (const TG__T *)r->partial + group * r->blocks * each + i % each;
    TG__T v;
    if (group >= r->groups) return;
    v = part[0];
    for (int64_t q = 1; q < r->blocks; q++) v += part[q * each];
    TG__CU(tg__cu_conv_put)(r, group, i % each % r->m, i % each / r->m, v);
}
TG__CU_KERNEL(TG__CU(tg__cu_conv_tiles), tg__cu_conv, TG__CU(tg__cu_conv_tile)(r, block))
TG__CU_KERNEL(TG__CU(tg__cu_conv_narrow), tg__cu_conv, { TG__CU_THREADS(t) TG__CU(tg__cu_conv_one)(r, block * TG__CU_WIDTH + t); })
TG__CU_KERNEL(TG__CU(tg__cu_conv_parts), tg__cu_conv, { TG__CU_THREADS(t) TG__CU(tg__cu_conv_join)(r, block * TG__CU_WIDTH + t); })
#endif
/* {text ends} */
#endif /* TG__CU_KERNELS */

#if defined(TG__CU_TEXT_TOO)
#undef TG__CU_TEXT_TOO
/* ======================================================================================
   >>cuda-text    the same once more, for NVRTC
   ====================================================================================== */
/* ---- the text: written by tools/cuda_text.c ---- */
static const char *const tg__cu_words[] = {
"#line 2980 \"tensorgrad_cuda.h\"\n",
"#if defined(__CUDACC_RTC__)\n",
"typedef signed char int8_t;\n",
"typedef unsigned char uint8_t;\n",
"typedef short int16_t;\n",
"typedef unsigned short uint16_t;\n",
"typedef int int32_t;\n",
"typedef unsigned int uint32_t;\n",
"typedef long long int64_t;\n",
"typedef unsigned long long uint64_t;\n",
"#define INT64_MIN (-9223372036854775807LL - 1)\n",
"#else\n",
"#include <stdint.h>\n",
"#include <stdbool.h>\n",
"#include <math.h>\n",
"#endif\n",
"#define TG__CU_WIDTH 256\n",
"#define TG__CU_JOIN_(a, b) a##__##b\n",
"#define TG__CU_JOIN(a, b) TG__CU_JOIN_(a, b)\n",
"#define TG__FN(name) TG__CU_JOIN(name, cuda)\n",
"#if defined(__CUDACC__)\n",
"#define TG__PRIVATE static __device__ inline\n",
"#define TG__INLINE static __device__ __forceinline__\n",
"#define TG__NOINLINE static __device__ __noinline__\n",
"#define TG__CU_TABLE static __device__\n",
"#if __CUDACC_VER_MAJOR__ * 100 + __CUDACC_VER_MINOR__ >= 1105\n",
"#pragma nv_diag_suppress 177\n",
"#else\n",
"#pragma diag_suppress 177\n",
"#endif\n",
"#if __CUDACC_VER_MAJOR__ * 100 + __CUDACC_VER_MINOR__ >= 1107\n",
"#define TG__CU_CONSTANT __grid_constant__\n",
"#else\n",
"#define TG__CU_CONSTANT\n",
"#endif\n",
"#define TG__CU_KERNEL_(name, type, ...) extern \"C\" __global__ void __launch_bounds__(TG__CU_WIDTH) name(const TG__CU_CONSTANT type arguments) { \\\n",
"const type *const r = &arguments; const int64_t block = blockIdx.x, blocks = gridDim.x; (void)blocks; __VA_ARGS__; }\n",
"#define TG__CU_THREADS(t) for (int t = (int)threadIdx.x, tg__once = 1; tg__once; tg__once = 0)\n",
"#define TG__CU_BARRIER __syncthreads();\n",
"#define TG__CU_SHARED(type, name, n) __shared__ type name[n]\n",
"#define TG__CU_OWN(type, name, n) type name[n]\n",
"#define TG__CU_MY(name, t) name\n",
"#define TG__CU_FLAG(p, bits) atomicOr(p, bits)\n",
"#define TG__CU_ALIGNED __align__(16)\n",
"#define TG__CU_MOVE_16(to, from) (*(uint4 *)(void *)(to) = *(const uint4 *)(const void *)(from))\n",
"#define TG__CU_MOVE_8(to, from) (*(uint2 *)(void *)(to) = *(const uint2 *)(const void *)(from))\n",
"#define TG__CU_UNROLL _Pragma(\"unroll\")\n",
"#define TG__CU_ROLL _Pragma(\"unroll 1\")\n",
"TG__INLINE float  tg__fma32(float a, float b, float c) { return __fmaf_rn(a, b, c); }\n",
"TG__INLINE double tg__fma64(double a, double b, double c) { return __fma_rn(a, b, c); }\n",
"TG__INLINE float  tg__sqrt32(float a) { return __fsqrt_rn(a); }\n",
"TG__INLINE double tg__sqrt64(double a) { return __dsqrt_rn(a); }\n",
"#else\n",
"#define TG__PRIVATE static\n",
"#define TG__INLINE static inline\n",
"#define TG__NOINLINE static\n",
"#define TG__CU_TABLE static\n",
"#define TG__CU_KERNEL_(name, type, ...) enum { name##_size = sizeof(type) }; static void name(const void *arguments, int64_t block, int64_t blocks) { \\\n",
"const type *const r = (const type *)arguments; (void)blocks; __VA_ARGS__; }\n",
"#ifndef TG__CU_GOES\n",
"#define TG__CU_GOES(t) ((t) < TG__CU_WIDTH)\n",
"#define TG__CU_WHO 0\n",
"#define TG__CU_AS(t)\n",
"#define TG__CU_BARRIER\n",
"#define TG__CU_WATCH(name)\n",
"#define TG__CU_FLAG(p, bits) (*(p) |= (bits))\n",
"#endif\n",
"#define TG__CU_THREADS(t) for (int t = 0; TG__CU_GOES(t); t++)\n",
"#define TG__CU_ALIGNED\n",
"#define TG__CU_MOVE_16(to, from) tg__cu_aligned(to, from, 16)\n",
"#define TG__CU_MOVE_8(to, from) tg__cu_aligned(to, from, 8)\n",
"#define TG__CU_SHARED(type, name, n) type name[n]; TG__CU_WATCH(name)\n",
"#define TG__CU_OWN(type, name, n) type name[TG__CU_WIDTH][n]\n",
"#define TG__CU_MY(name, t) name[t]\n",
"#define TG__CU_UNROLL\n",
"#define TG__CU_ROLL\n",
"TG__INLINE float  tg__fma32(float a, float b, float c) { return fmaf(a, b, c); }\n",
"TG__INLINE double tg__fma64(double a, double b, double c) { return fma(a, b, c); }\n",
"TG__INLINE float  tg__sqrt32(float a) { return sqrtf(a); }\n",
"TG__INLINE double tg__sqrt64(double a) { return sqrt(a); }\n",
"#ifndef TG__CU_MISPLACED\n",
"#define TG__CU_MISPLACED return;\n",
"#endif\n",
"static void tg__cu_aligned(void *to, const void *from, int bytes) {\n",
"typedef uint64_t __attribute__((may_alias)) word;\n",
"if (((uintptr_t)to | (uintptr_t)from) % (unsigned)bytes) TG__CU_MISPLACED\n",
"for (int i = 0; i < bytes / 8; i++) ((word *)to)[i] = ((const word *)from)[i];\n",
"}\n",
"#endif\n",
"#define TG__CU_KERNEL(name, type, ...) TG__CU_KERNEL_(name, type, __VA_ARGS__)\n",
"#line 3070 \"tensorgrad_cuda.h\"\n",
"#define TG__PASS_STRICT 1\n",
"#define TG__VN 1\n",
"#define TG__VN_F32 1\n",
"#define TG__VN_F64 1\n",
"#define TG__HAS_X86 0\n",
"#define TG__FAST_X86 0\n",
"#define TG__BARRIER(v) ((void)0)\n",
"TG__INLINE double tg__mullo64(double a, double b, double p) { return tg__fma64(a, b, -p); }\n",
"#line 3 \"tensorgrad.h, from the line '/* A set below is a list of lines' on\"\n",
"#undef TG__WA1\n",
"#undef TG__WA2\n",
"#undef TG__WA3\n",
"#undef TG__WV1\n",
"#undef TG__WV2\n",
"#undef TG__WC2\n",
"#undef TG__WC1\n",
"#undef TG__WM2\n",
"#undef TG__WI2\n",
"#undef TG__WIN\n",
"#undef TG__WIC\n",
"#define TG__WA1(word, value) TG__INLINE TG__V TG__W(word)(TG__V a) { TG__V v = value; TG__BARRIER(v); return v; }\n",
"#define TG__WA2(word, value) TG__INLINE TG__V TG__W(word)(TG__V a, TG__V b) { TG__V v = value; TG__BARRIER(v); return v; }\n",
"#define TG__WA3(word, value) TG__INLINE TG__V TG__W(word)(TG__V a, TG__V b, TG__V c) { TG__V v = value; TG__BARRIER(v); return v; }\n",
"#define TG__WV1(word, value) TG__INLINE TG__V TG__W(word)(TG__V a) { return value; }\n",
"#define TG__WV2(word, value) TG__INLINE TG__V TG__W(word)(TG__V a, TG__V b) { return value; }\n",
"#define TG__WC2(word, value) TG__INLINE TG__M TG__W(word)(TG__V a, TG__V b) { return value; }\n",
"#define TG__WC1(word, value) TG__INLINE TG__M TG__W(word)(TG__V a) { return value; }\n",
"#define TG__WM2(word, value) TG__INLINE TG__M TG__W(word)(TG__M m, TG__M o) { return value; }\n",
"#define TG__WI2(word, value) TG__INLINE TG__VI TG__W(word)(TG__VI i, TG__VI j) { return value; }\n",
"#define TG__WIN(word, value) TG__INLINE TG__VI TG__W(word)(TG__VI i, int n) { return value; }\n",
"#define TG__WIC(word, value) TG__INLINE TG__M TG__W(word)(TG__VI i, TG__VI j) { return value; }\n",
"#line 1 \"tensorgrad.h, from the line 'typedef union tg__pun32' on\"\n",
"typedef union tg__pun32 { float f; int32_t i; uint32_t u; } tg__pun32;\n",
"typedef union tg__pun64 { double f; int64_t i; uint64_t u; } tg__pun64;\n",
"#line 4 \"tensorgrad.h, from the line 'typedef union tg__pun32' on\"\n",
"TG__INLINE uint32_t tg__bits32(float v)     { tg__pun32 p; p.f = v; return p.u; }\n",
"TG__INLINE float    tg__float(uint32_t v)   { tg__pun32 p; p.u = v; return p.f; }\n",
"TG__INLINE uint64_t tg__bits64(double v)    { tg__pun64 p; p.f = v; return p.u; }\n",
"TG__INLINE double   tg__double(uint64_t v)  { tg__pun64 p; p.u = v; return p.f; }\n",
"#line 11 \"tensorgrad.h, from the line 'typedef union tg__pun32' on\"\n",
"TG__PRIVATE float tg__trunc32(float x) {\n",
"uint32_t u = tg__bits32(x);\n",
"int e = (int)(u >> 23 & 255) - 127;\n",
"if (e >= 23) return x;\n",
"return tg__float(e < 0 ? u & 0x80000000u : u & ~(0x7fffffu >> e));\n",
"}\n",
"TG__PRIVATE double tg__trunc64(double x) {\n",
"uint64_t u = tg__bits64(x);\n",
"int e = (int)(u >> 52 & 2047) - 1023;\n",
"if (e >= 52) return x;\n",
"return tg__double(e < 0 ? u & 0x8000000000000000u : u & ~(0xfffffffffffffu >> e));\n",
"}\n",
"#line 24 \"tensorgrad.h, from the line 'typedef union tg__pun32' on\"\n",
"TG__PRIVATE float tg__round32(float x) {\n",
"float t = tg__trunc32(x), d = x - t, h = t * 0.5f;\n",
"if (d > 0.5f || (d == 0.5f && h != tg__trunc32(h))) return t + 1.0f;\n",
"if (d < -0.5f || (d == -0.5f && h != tg__trunc32(h))) return t - 1.0f;\n",
"return t;\n",
"}\n",
"TG__PRIVATE double tg__round64(double x) {\n",
"double t = tg__trunc64(x), d = x - t, h = t * 0.5;\n",
"if (d > 0.5 || (d == 0.5 && h != tg__trunc64(h))) return t + 1.0;\n",
"if (d < -0.5 || (d == -0.5 && h != tg__trunc64(h))) return t - 1.0;\n",
"return t;\n",
"}\n",
"#line 38 \"tensorgrad.h, from the line 'typedef union tg__pun32' on\"\n",
"TG__PRIVATE float tg__from_half(uint16_t h) {\n",
"uint32_t sign = (uint32_t)(h & 0x8000u) << 16, e = h >> 10 & 31u, m = h & 1023u;\n",
"if (e == 31) return tg__float(sign | 0x7f800000u | m << 13 | (m ? 0x400000u : 0u));\n",
"if (e == 0) return tg__float(sign | tg__bits32((float)m * 5.9604644775390625e-8f));\n",
"return tg__float(sign | (e + 112) << 23 | m << 13);\n",
"}\n",
"TG__PRIVATE uint16_t tg__to_half(float v) {\n",
"uint32_t u = tg__bits32(v), sign = u >> 16 & 0x8000u, a = u & 0x7fffffffu;\n",
"if (a > 0x7f800000u) return (uint16_t)(sign | 0x7e00u);\n",
"if (a >= 0x477ff000u) return (uint16_t)(sign | 0x7c00u);\n",
"#line 49 \"tensorgrad.h, from the line 'typedef union tg__pun32' on\"\n",
"if (a < 0x38800000u) {\n",
"uint32_t m = (a & 0x7fffffu) | 0x800000u, shift = 126u - (a >> 23), h, rest, half;\n",
"if (shift > 24u) return (uint16_t)sign;\n",
"h = m >> shift; rest = m & ((1u << shift) - 1u); half = 1u << (shift - 1u);\n",
"return (uint16_t)(sign | (h + (rest > half || (rest == half && (h & 1u)) ? 1u : 0u)));\n",
"}\n",
"return (uint16_t)(sign | ((a + 0xfffu + (a >> 13 & 1u) - 0x38000000u) >> 13));\n",
"}\n",
"TG__PRIVATE uint16_t tg__to_bf16(float v) {\n",
"uint32_t u = tg__bits32(v);\n",
"#line 60 \"tensorgrad.h, from the line 'typedef union tg__pun32' on\"\n",
"if ((u & 0x7fffffffu) > 0x7f800000u) return (uint16_t)(u >> 16 | 0x40u);\n",
"return (uint16_t)((u + 0x7fffu + (u >> 16 & 1u)) >> 16);\n",
"}\n",
"#line 1 \"tensorgrad.h, from the line 'TG__PRIVATE int tg__split64' on\"\n",
"TG__PRIVATE int tg__split64(uint64_t u, uint64_t *m) {\n",
"int e = (int)(u >> 52 & 2047);\n",
"*m = u & 0xfffffffffffffu;\n",
"if (e) *m |= 0x10000000000000u; else e = 1;\n",
"return e - 1075;\n",
"}\n",
"#line 2 \"tensorgrad.h, from the line '/* ---- one float ---- */' on\"\n",
"#define TG__T float\n",
"#define TG__I int32_t\n",
"#define TG__V TG__FN(tg__vf32)\n",
"#define TG__M TG__FN(tg__mf32)\n",
"#define TG__VI TG__FN(tg__vi32)\n",
"#define TG__W(word) TG__FN(tg__w_##word##_f32)\n",
"typedef float TG__V;\n",
"typedef int TG__M;\n",
"typedef int32_t TG__VI;\n",
"#line 12 \"tensorgrad.h, from the line '/* ---- one float ---- */' on\"\n",
"TG__INLINE TG__V TG__W(load)(const TG__T *p)               { return *p; }\n",
"TG__INLINE void  TG__W(store)(TG__T *p, TG__V v)           { *p = v; }\n",
"TG__INLINE TG__V TG__W(loadn)(const TG__T *p, int64_t n)   { return n > 0 ? *p : 0; }\n",
"TG__INLINE void  TG__W(storen)(TG__T *p, TG__V v, int64_t n) { if (n > 0) *p = v; }\n",
"TG__INLINE TG__V TG__W(set)(TG__T s)                       { return s; }\n",
"TG__INLINE TG__VI TG__W(iset)(TG__I s)                     { return s; }\n",
"TG__INLINE TG__VI TG__W(iload)(const int32_t *p)                  { return *p; }\n",
"TG__WA2(add, a + b)\n",
"TG__WA2(sub, a - b)\n",
"TG__WA2(mul, a * b)\n",
"TG__WA2(div, a / b)\n",
"#if defined(TG__PASS_STRICT)\n",
"TG__WA3(fma, tg__fma32(a, b, c))\n",
"TG__WA3(fnma, tg__fma32(-a, b, c))\n",
"TG__WA3(mullo, tg__fma32(a, b, -c))\n",
"#else\n",
"TG__WA3(fma, TG__W(add)(TG__W(mul)(a, b), c))\n",
"TG__WA3(fnma, TG__W(sub)(c, TG__W(mul)(a, b)))\n",
"TG__WA3(mullo, (float)((double)a * (double)b - (double)c))\n",
"#endif\n",
"TG__WA1(sqrt, tg__sqrt32(a))\n",
"TG__WV1(neg, -a)\n",
"TG__WV1(abs, tg__float(tg__bits32(a) & 0x7fffffffu))\n",
"TG__WV2(copysign, tg__float((tg__bits32(a) & 0x7fffffffu) | (tg__bits32(b) & ~(uint32_t)0x7fffffffu)))\n",
"TG__WC1(isnan, (tg__bits32(a) & 0x7fffffffu) > 0x7f800000u)\n",
"TG__WC1(isinf, (tg__bits32(a) & 0x7fffffffu) == 0x7f800000u)\n",
"TG__WC1(isfinite, (tg__bits32(a) & 0x7fffffffu) < 0x7f800000u)\n",
"#if (TG__HAS_X86 + 0) && defined(__FAST_MATH__)\n",
"#line 43 \"tensorgrad.h, from the line '/* ---- one float ---- */' on\"\n",
"TG__WC2(lt, _mm_movemask_ps(_mm_cmplt_ss(_mm_set_ss(a), _mm_set_ss(b))) & 1)\n",
"TG__WC2(le, _mm_movemask_ps(_mm_cmple_ss(_mm_set_ss(a), _mm_set_ss(b))) & 1)\n",
"TG__WC2(gt, _mm_movemask_ps(_mm_cmpgt_ss(_mm_set_ss(a), _mm_set_ss(b))) & 1)\n",
"TG__WC2(ge, _mm_movemask_ps(_mm_cmpge_ss(_mm_set_ss(a), _mm_set_ss(b))) & 1)\n",
"TG__WC2(eq, _mm_movemask_ps(_mm_cmpeq_ss(_mm_set_ss(a), _mm_set_ss(b))) & 1)\n",
"TG__WC2(ne, _mm_movemask_ps(_mm_cmpneq_ss(_mm_set_ss(a), _mm_set_ss(b))) & 1)\n",
"#else\n",
"TG__WC2(lt, a < b)\n",
"TG__WC2(le, a <= b)\n",
"TG__WC2(gt, a > b)\n",
"TG__WC2(ge, a >= b)\n",
"TG__WC2(eq, a == b)\n",
"TG__WC2(ne, !(a == b))\n",
"#endif\n",
"#if TG__FAST_X86\n",
"TG__INLINE TG__V TG__W(minq)(TG__V a, TG__V b) { __asm__(\"minss %1, %0\" : \"+x\"(a) : \"x\"(b)); return a; }\n",
"TG__INLINE TG__V TG__W(maxq)(TG__V a, TG__V b) { __asm__(\"maxss %1, %0\" : \"+x\"(a) : \"x\"(b)); return a; }\n",
"#else\n",
"TG__WV2(minq, TG__W(lt)(a, b) ? a : b)\n",
"TG__WV2(maxq, TG__W(gt)(a, b) ? a : b)\n",
"#endif\n",
"TG__WV2(minn, TG__W(isnan)(a) ? a : TG__W(minq)(a, b))\n",
"TG__WV2(maxn, TG__W(isnan)(a) ? a : TG__W(maxq)(a, b))\n",
"TG__WV1(trunc, tg__trunc32(a))\n",
"TG__WV1(round, tg__round32(a))\n",
"TG__INLINE TG__V TG__W(floor)(TG__V a) { TG__V t = tg__trunc32(a); return t > a ? t - 1 : t; }\n",
"TG__INLINE TG__V TG__W(ceil)(TG__V a)  { TG__V t = tg__trunc32(a); return t < a ? t + 1 : t; }\n",
"TG__WM2(mand, m & o)\n",
"TG__WM2(mor, m | o)\n",
"TG__WM2(mxor, m ^ o)\n",
"TG__INLINE TG__M TG__W(mnot)(TG__M m) { return !m; }\n",
"TG__INLINE int   TG__W(many)(TG__M m) { return m; }\n",
"TG__INLINE int   TG__W(mall)(TG__M m) { return m; }\n",
"TG__INLINE TG__V TG__W(select)(TG__M m, TG__V a, TG__V b) { return m ? a : b; }\n",
"TG__INLINE TG__VI TG__W(iselect)(TG__M m, TG__VI a, TG__VI b) { return m ? a : b; }\n",
"TG__INLINE TG__VI TG__W(bits)(TG__V v)     { tg__pun32 p; p.f = v; return p.i; }\n",
"TG__INLINE TG__V TG__W(frombits)(TG__VI i) { tg__pun32 p; p.i = i; return p.f; }\n",
"TG__INLINE TG__V TG__W(i2f)(TG__VI i)      { return (float)i; }\n",
"TG__WI2(iadd, (int32_t)((uint32_t)i + (uint32_t)j))\n",
"TG__WI2(isub, (int32_t)((uint32_t)i - (uint32_t)j))\n",
"TG__WI2(iand, i & j)\n",
"TG__WI2(ixor, i ^ j)\n",
"TG__WIN(ishl, (int32_t)((uint32_t)i << n))\n",
"TG__WIN(ishr, (int32_t)((uint32_t)i >> n))\n",
"TG__WIN(isar, i < 0 ? ~(~i >> n) : i >> n)\n",
"TG__WIC(ieq, i == j)\n",
"TG__WIC(igt, i > j)\n",
"TG__INLINE void  TG__W(storeb)(uint8_t *p, TG__M m)              { *p = (uint8_t)m; }\n",
"TG__INLINE TG__V TG__W(loadh)(const uint16_t *p)                 { return tg__from_half(*p); }\n",
"TG__INLINE TG__V TG__W(loadhn)(const uint16_t *p, int64_t n)     { return n > 0 ? tg__from_half(*p) : 0; }\n",
"TG__INLINE void  TG__W(storeh)(uint16_t *p, TG__V v)             { *p = tg__to_half(v); }\n",
"TG__INLINE void  TG__W(storehn)(uint16_t *p, TG__V v, int64_t n) { if (n > 0) *p = tg__to_half(v); }\n",
"TG__INLINE TG__V TG__W(loadbf)(const uint16_t *p)                { return tg__float((uint32_t)*p << 16); }\n",
"TG__INLINE TG__V TG__W(loadbfn)(const uint16_t *p, int64_t n)    {\n",
"return n > 0 ? tg__float((uint32_t)*p << 16) : 0;\n",
"}\n",
"TG__INLINE void  TG__W(storebf)(uint16_t *p, TG__V v)            { *p = tg__to_bf16(v); }\n",
"TG__INLINE void  TG__W(storebfn)(uint16_t *p, TG__V v, int64_t n) { if (n > 0) *p = tg__to_bf16(v); }\n",
"#line 102 \"tensorgrad.h, from the line '/* ---- one float ---- */' on\"\n",
"TG__INLINE TG__V TG__W(pow2)(TG__V k)\n",
"{ return TG__W(frombits)(TG__W(ishl)(TG__W(bits)(TG__W(add)(k, TG__W(set)(12583039.0f))), 23)); }\n",
"#line 105 \"tensorgrad.h, from the line '/* ---- one float ---- */' on\"\n",
"TG__INLINE TG__V TG__W(scale)(TG__V v, TG__V k) {\n",
"TG__V h = TG__W(round)(TG__W(mul)(k, TG__W(set)(0.5f)));\n",
"return TG__W(mul)(TG__W(mul)(v, TG__W(pow2)(h)), TG__W(pow2)(TG__W(sub)(k, h)));\n",
"}\n",
"TG__INLINE TG__V TG__W(table8)(const float *t, TG__VI i) { return t[i & 7]; }\n",
"TG__INLINE double TG__W(lo)(TG__V v)                 { return (double)v; }\n",
"TG__INLINE double TG__W(hi)(TG__V v)                 { (void)v; return 0; }\n",
"TG__INLINE TG__V TG__W(narrow)(double lo, double hi) { (void)hi; return (float)lo; }\n",
"#undef TG__T\n",
"#undef TG__I\n",
"#undef TG__V\n",
"#undef TG__M\n",
"#undef TG__VI\n",
"#undef TG__W\n",
"#line 121 \"tensorgrad.h, from the line '/* ---- one float ---- */' on\"\n",
"#define TG__T double\n",
"#define TG__I int64_t\n",
"#define TG__V TG__FN(tg__vf64)\n",
"#define TG__M TG__FN(tg__mf64)\n",
"#define TG__VI TG__FN(tg__vi64)\n",
"#define TG__W(word) TG__FN(tg__w_##word##_f64)\n",
"typedef double TG__V;\n",
"typedef int TG__M;\n",
"typedef int64_t TG__VI;\n",
"#line 131 \"tensorgrad.h, from the line '/* ---- one float ---- */' on\"\n",
"TG__INLINE TG__V TG__W(load)(const TG__T *p)               { return *p; }\n",
"TG__INLINE void  TG__W(store)(TG__T *p, TG__V v)           { *p = v; }\n",
"TG__INLINE TG__V TG__W(loadn)(const TG__T *p, int64_t n)   { return n > 0 ? *p : 0; }\n",
"TG__INLINE void  TG__W(storen)(TG__T *p, TG__V v, int64_t n) { if (n > 0) *p = v; }\n",
"TG__INLINE TG__V TG__W(set)(TG__T s)                       { return s; }\n",
"TG__INLINE TG__VI TG__W(iset)(TG__I s)                     { return s; }\n",
"TG__WA2(add, a + b)\n",
"TG__WA2(sub, a - b)\n",
"TG__WA2(mul, a * b)\n",
"TG__WA2(div, a / b)\n",
"#if defined(TG__PASS_STRICT)\n",
"TG__WA3(fma, tg__fma64(a, b, c))\n",
"TG__WA3(fnma, tg__fma64(-a, b, c))\n",
"TG__WA3(mullo, tg__fma64(a, b, -c))\n",
"#else\n",
"TG__WA3(fma, TG__W(add)(TG__W(mul)(a, b), c))\n",
"TG__WA3(fnma, TG__W(sub)(c, TG__W(mul)(a, b)))\n",
"TG__WA3(mullo, tg__mullo64(a, b, c))\n",
"#endif\n",
"TG__WA1(sqrt, tg__sqrt64(a))\n",
"TG__WV1(neg, -a)\n",
"TG__WV1(abs, tg__double(tg__bits64(a) & 0x7fffffffffffffffu))\n",
"TG__WV2(copysign, tg__double((tg__bits64(a) & 0x7fffffffffffffffu) |\n",
"(tg__bits64(b) & ~(uint64_t)0x7fffffffffffffffu)))\n",
"TG__WC1(isnan, (tg__bits64(a) & 0x7fffffffffffffffu) > 0x7ff0000000000000u)\n",
"TG__WC1(isinf, (tg__bits64(a) & 0x7fffffffffffffffu) == 0x7ff0000000000000u)\n",
"TG__WC1(isfinite, (tg__bits64(a) & 0x7fffffffffffffffu) < 0x7ff0000000000000u)\n",
"#if (TG__HAS_X86 + 0) && defined(__FAST_MATH__)\n",
"#line 162 \"tensorgrad.h, from the line '/* ---- one float ---- */' on\"\n",
"TG__WC2(lt, _mm_movemask_pd(_mm_cmplt_sd(_mm_set_sd(a), _mm_set_sd(b))) & 1)\n",
"TG__WC2(le, _mm_movemask_pd(_mm_cmple_sd(_mm_set_sd(a), _mm_set_sd(b))) & 1)\n",
"TG__WC2(gt, _mm_movemask_pd(_mm_cmpgt_sd(_mm_set_sd(a), _mm_set_sd(b))) & 1)\n",
"TG__WC2(ge, _mm_movemask_pd(_mm_cmpge_sd(_mm_set_sd(a), _mm_set_sd(b))) & 1)\n",
"TG__WC2(eq, _mm_movemask_pd(_mm_cmpeq_sd(_mm_set_sd(a), _mm_set_sd(b))) & 1)\n",
"TG__WC2(ne, _mm_movemask_pd(_mm_cmpneq_sd(_mm_set_sd(a), _mm_set_sd(b))) & 1)\n",
"#else\n",
"TG__WC2(lt, a < b)\n",
"TG__WC2(le, a <= b)\n",
"TG__WC2(gt, a > b)\n",
"TG__WC2(ge, a >= b)\n",
"TG__WC2(eq, a == b)\n",
"TG__WC2(ne, !(a == b))\n",
"#endif\n",
"#if TG__FAST_X86\n",
"TG__INLINE TG__V TG__W(minq)(TG__V a, TG__V b) { __asm__(\"minsd %1, %0\" : \"+x\"(a) : \"x\"(b)); return a; }\n",
"TG__INLINE TG__V TG__W(maxq)(TG__V a, TG__V b) { __asm__(\"maxsd %1, %0\" : \"+x\"(a) : \"x\"(b)); return a; }\n",
"#else\n",
"TG__WV2(minq, TG__W(lt)(a, b) ? a : b)\n",
"TG__WV2(maxq, TG__W(gt)(a, b) ? a : b)\n",
"#endif\n",
"TG__WV2(minn, TG__W(isnan)(a) ? a : TG__W(minq)(a, b))\n",
"TG__WV2(maxn, TG__W(isnan)(a) ? a : TG__W(maxq)(a, b))\n",
"TG__WV1(trunc, tg__trunc64(a))\n",
"TG__WV1(round, tg__round64(a))\n",
"TG__INLINE TG__V TG__W(floor)(TG__V a) { TG__V t = tg__trunc64(a); return t > a ? t - 1 : t; }\n",
"TG__INLINE TG__V TG__W(ceil)(TG__V a)  { TG__V t = tg__trunc64(a); return t < a ? t + 1 : t; }\n",
"TG__WM2(mand, m & o)\n",
"TG__WM2(mor, m | o)\n",
"TG__WM2(mxor, m ^ o)\n",
"TG__INLINE TG__M TG__W(mnot)(TG__M m) { return !m; }\n",
"TG__INLINE int   TG__W(many)(TG__M m) { return m; }\n",
"TG__INLINE int   TG__W(mall)(TG__M m) { return m; }\n",
"TG__INLINE TG__V TG__W(select)(TG__M m, TG__V a, TG__V b) { return m ? a : b; }\n",
"TG__INLINE TG__VI TG__W(iselect)(TG__M m, TG__VI a, TG__VI b) { return m ? a : b; }\n",
"TG__INLINE TG__VI TG__W(bits)(TG__V v)     { tg__pun64 p; p.f = v; return p.i; }\n",
"TG__INLINE TG__V TG__W(frombits)(TG__VI i) { tg__pun64 p; p.i = i; return p.f; }\n",
"TG__INLINE TG__V TG__W(i2f)(TG__VI i)      { return (double)i; }\n",
"TG__WI2(iadd, (int64_t)((uint64_t)i + (uint64_t)j))\n",
"TG__WI2(isub, (int64_t)((uint64_t)i - (uint64_t)j))\n",
"TG__WI2(iand, i & j)\n",
"TG__WI2(ixor, i ^ j)\n",
"TG__WIN(ishl, (int64_t)((uint64_t)i << n))\n",
"TG__WIN(ishr, (int64_t)((uint64_t)i >> n))\n",
"TG__WIN(isar, i < 0 ? ~(~i >> n) : i >> n)\n",
"TG__WIC(ieq, i == j)\n",
"TG__WIC(igt, i > j)\n",
"TG__INLINE void  TG__W(storeb)(uint8_t *p, TG__M m)              { *p = (uint8_t)m; }\n",
"TG__INLINE TG__V TG__W(pow2)(TG__V k)\n",
"{ return TG__W(frombits)(TG__W(ishl)(TG__W(bits)(TG__W(add)(k, TG__W(set)(6755399441056767.0))), 52)); }\n",
"TG__INLINE TG__V TG__W(scale)(TG__V v, TG__V k) {\n",
"TG__V h = TG__W(round)(TG__W(mul)(k, TG__W(set)(0.5)));\n",
"return TG__W(mul)(TG__W(mul)(v, TG__W(pow2)(h)), TG__W(pow2)(TG__W(sub)(k, h)));\n",
"}\n",
"#undef TG__T\n",
"#undef TG__I\n",
"#undef TG__V\n",
"#undef TG__M\n",
"#undef TG__VI\n",
"#undef TG__W\n",
"#line 1 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"#define TG__ADD(a, b)     TG__W(add)(a, b)\n",
"#define TG__SUB(a, b)     TG__W(sub)(a, b)\n",
"#define TG__MUL(a, b)     TG__W(mul)(a, b)\n",
"#define TG__DIV(a, b)     TG__W(div)(a, b)\n",
"#define TG__FMA(a, b, c)  TG__W(fma)(a, b, c)\n",
"#define TG__FNMA(a, b, c) TG__W(fnma)(a, b, c)\n",
"#define TG__SEL(m, a, b)  TG__W(select)(m, a, b)\n",
"#define TG__K(s)          TG__W(set)(s)\n",
"#define TG__H2(x, a, b)                    TG__FMA(TG__K(a), x, TG__K(b))\n",
"#define TG__H3(x, a, b, c)                 TG__FMA(TG__H2(x, a, b), x, TG__K(c))\n",
"#define TG__H4(x, a, b, c, d)              TG__FMA(TG__H3(x, a, b, c), x, TG__K(d))\n",
"#define TG__H5(x, a, b, c, d, e)           TG__FMA(TG__H4(x, a, b, c, d), x, TG__K(e))\n",
"#define TG__H6(x, a, b, c, d, e, f)        TG__FMA(TG__H5(x, a, b, c, d, e), x, TG__K(f))\n",
"#define TG__H7(x, a, b, c, d, e, f, g)     TG__FMA(TG__H6(x, a, b, c, d, e, f), x, TG__K(g))\n",
"#define TG__H8(x, a, b, c, d, e, f, g, h)  TG__FMA(TG__H7(x, a, b, c, d, e, f, g), x, TG__K(h))\n",
"#line 17 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"#ifndef TG__MATHS_ONCE\n",
"#define TG__MATHS_ONCE\n",
"#line 20 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__CU_TABLE const uint32_t tg__two_over_pi[41] = {\n",
"0, 0, 0,\n",
"0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu, 0xdebbc561u,\n",
"0xb7246e3au, 0x424dd2e0u, 0x06492eeau, 0x09d1921cu, 0xfe1deb1cu, 0xb129a73eu, 0xe88235f5u, 0x2ebb4484u,\n",
"0xe99c7026u, 0xb45f7e41u, 0x3991d639u, 0x835339f4u, 0x9c845f8bu, 0xbdf9283bu, 0x1ff897ffu, 0xde05980fu,\n",
"0xef2f118bu, 0x5a0a6d1fu, 0x6d367ecfu, 0x27cb09b7u, 0x4f463f66u, 0x9e5fea2du, 0x7527bac7u, 0xebe5f17bu,\n",
"0x3d0739f7u, 0x8a5292eau, 0x6bfb5fb1u, 0x1f8d5d08u, 0x56033046u, 0xfc7b6babu\n",
"};\n",
"#line 32 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__CU_TABLE const float tg__mills[10][8] = {\n",
"{ 0.253723145f, 0.748123169f, 1.48065186f, 2.49645996f, 3.97320557f, 5.9675293f, 9.03100586f, 12.9555664f },\n",
"{ 0.00147560576f, 0.000167691687f, 2.7222175e-05f, 2.86313889e-06f, 2.49497106e-07f, 1.36615146e-08f,\n",
"6.84999502e-10f, 3.17179963e-11f },\n",
"{ -0.00182946899f, -0.000562649453f, -0.000109701345f, -1.44584037e-05f, -1.45598347e-06f, -1.11736583e-07f,\n",
"-6.6366721e-09f, -4.23374474e-10f },\n",
"{ 0.00544962566f, 0.0017528215f, 0.000383170671f, 6.29440838e-05f, 7.35712274e-06f, 7.75308649e-07f,\n",
"5.92533311e-08f, 5.55090329e-09f },\n",
"{ -0.0148877027f, -0.00520224683f, -0.00130937167f, -0.000258921616f, -3.86280262e-05f, -5.37400683e-06f,\n",
"-5.78409015e-07f, -7.48290958e-08f },\n",
"{ 0.0369767398f, 0.0144087272f, 0.00423486903f, 0.00102212687f, 0.000197853296f, 3.6701731e-05f,\n",
"5.59751516e-06f, 1.00282193e-06f },\n",
"{ -0.0837509111f, -0.036792323f, -0.0128199141f, -0.003845545f, -0.000979669392f, -0.000245893782f,\n",
"-5.34500505e-05f, -1.33662406e-05f },\n",
"{ 0.169148222f, 0.0851601139f, 0.0359215811f, 0.0136889918f, 0.00468379445f, 0.00161419669f, 0.000505077594f,\n",
"0.00017717942f },\n",
"{ -0.294171244f, -0.174087211f, -0.0916470364f, -0.0457107276f, -0.0215486176f, -0.0103704501f, -0.0047217044f,\n",
"-0.00233555865f },\n",
"{ 0.412934512f, 0.300558895f, 0.207540512f, 0.141492978f, 0.0949846804f, 0.0651143566f, 0.0436519012f,\n",
"0.0306128431f }\n",
"};\n",
"#line 56 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__CU_TABLE const float tg__tanh_pieces[8][8] = {\n",
"{ 0.0f, 0.441514283f, 0.843069732f, 1.45663238f, 2.29537058f, 3.50861597f, 5.20498037f, 7.56597948f },\n",
"{ -0.0369768739f, -0.0627822578f, 0.00986692775f, 0.00853899214f, -0.000697985f, -0.000155641785f,\n",
"-5.88141165e-06f, -5.47340306e-08f },\n",
"{ 0.143084213f, -0.00655430183f, -0.0596711896f, -0.00559878163f, 0.00375619298f, 0.000500536349f,\n",
"1.88735085e-05f, 1.95395245e-07f },\n",
"{ -0.00118372298f, 0.169937283f, 0.0703852847f, -0.0241908636f, -0.0114499498f, -0.00117728068f,\n",
"-3.99591518e-05f, -3.57052812e-07f },\n",
"{ -0.333270192f, -0.133457527f, 0.0733898878f, 0.0921428353f, 0.024935348f, 0.00236393791f,\n",
"7.89052938e-05f, 6.61663762e-07f },\n",
"{ -1.09746554e-06f, -0.343478411f, -0.362577438f, -0.17527017f, -0.038970992f, -0.00357239391f,\n",
"-0.000120525059f, -1.06965888e-06f },\n",
"{ 1.0f, 0.827858984f, 0.527438164f, 0.195396274f, 0.0397701897f, 0.00357936812f, 0.000120694029f,\n",
"1.08575432e-06f },\n",
"{ 0.0f, 0.414898843f, 0.687431574f, 0.896996558f, 0.979913116f, 0.998209f, 0.99993974f, 0.999999464f }\n",
"};\n",
"#line 75 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__CU_TABLE const float tg__ndtr_pieces[8][8] = {\n",
"{ -0.0270127337f, 0.000304296758f, -0.000860624365f, -0.000232489198f, 0.00028534091f, 0.000143174955f,\n",
"-1.12549351e-05f, -2.59774552e-05f },\n",
"{ 0.0277714301f, 0.00325912889f, 0.00131147518f, -0.00123201509f, -0.000959122204f, -3.69967092e-05f,\n",
"0.000190326347f, 9.06716305e-05f },\n",
"{ -0.0206906237f, -0.00338698085f, 0.00533052348f, 0.00471751019f, 0.000388023444f, -0.0011558159f,\n",
"-0.00069892098f, -0.000203520482f },\n",
"{ 0.00203912426f, -0.0214838963f, -0.0170733463f, -0.000815150444f, 0.00616160408f, 0.00431245938f,\n",
"0.00151955266f, 0.000330153271f },\n",
"{ 0.0662936643f, 0.0385497399f, -0.00978586636f, -0.0296142902f, -0.0211989619f, -0.00854422245f,\n",
"-0.00221238146f, -0.000386334636f },\n",
"{ 8.75841215e-06f, 0.0961284041f, 0.119010612f, 0.0802634805f, 0.0349491462f, 0.0103624435f,\n",
"0.0021423779f, 0.000312775752f },\n",
"{ -0.398942411f, -0.339999706f, -0.210466906f, -0.0946293771f, -0.030903317f, -0.00733028678f,\n",
"-0.00126291392f, -0.000158038732f },\n",
"{ 0.5f, 0.285880715f, 0.129044697f, 0.0449071825f, 0.0118537378f, 0.00234714383f, 0.000345966837f,\n",
"3.77560245e-05f }\n",
"};\n",
"#line 95 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__PRIVATE double tg__times(double a, double b) { double v = a * b; TG__BARRIER(v); return v; }\n",
"#line 98 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__CU_TABLE const double tg__huge_sin[5] = { 1.5896681598845614e-10, -2.5050756712114706e-08, 2.7557313687568184e-06,\n",
"-0.00019841269829813416,\n",
"0.008333333333322455 };\n",
"TG__CU_TABLE const double tg__huge_cos[6] = { -1.1359803532177195e-11, 2.0875727075935086e-09, -2.75573143875594e-07,\n",
"2.480158728963647e-05,\n",
"-0.0013888888888874441, 0.0416666666666666 };\n",
"#line 109 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__PRIVATE double tg__trig_huge(double x, int what) {\n",
"uint64_t u = tg__bits64(x) & 0x7fffffffffffffffu, m = (u & 0xfffffffffffffu) | 0x10000000000000u, carry, w[3];\n",
"uint32_t p[6], f[6];\n",
"int e = (int)(u >> 52) - 1075, s = e - 2 + 96, i, quadrant, minus = 0;\n",
"double h, l, r, rl, z, sn, cs, hz, t, v, scale;\n",
"if (u >= 0x7ff0000000000000u) return x - x;\n",
"for (i = 0; i < 6; i++) {\n",
"const uint32_t *q = tg__two_over_pi + (s >> 5) + i;\n",
"f[i] = (s & 31) ? q[0] << (s & 31) | q[1] >> (32 - (s & 31)) : q[0];\n",
"}\n",
"for (carry = 0, i = 5; i >= 0; i--) { carry += (m & 0xffffffffu) * f[i]; p[i] = (uint32_t)carry; carry >>= 32; }\n",
"for (carry = 0, i = 4; i >= 0; i--) {\n",
"carry += p[i] + (m >> 32) * f[i + 1];\n",
"p[i] = (uint32_t)carry;\n",
"carry >>= 32;\n",
"}\n",
"for (i = 0; i < 3; i++) w[i] = (uint64_t)p[2 * i] << 32 | p[2 * i + 1];\n",
"quadrant = (int)(w[0] >> 62);\n",
"w[0] = w[0] << 2 | w[1] >> 62; w[1] = w[1] << 2 | w[2] >> 62; w[2] <<= 2;\n",
"#line 129 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"if (w[0] >> 63) {\n",
"quadrant++; minus = 1;\n",
"w[2] = ~w[2]; w[1] = ~w[1]; w[0] = ~w[0];\n",
"if (!++w[2] && !++w[1]) ++w[0];\n",
"}\n",
"for (e = 0; !(w[0] >> 63) && e < 190; e++) {\n",
"w[0] = w[0] << 1 | w[1] >> 63;\n",
"w[1] = w[1] << 1 | w[2] >> 63;\n",
"w[2] <<= 1;\n",
"}\n",
"scale = tg__double((uint64_t)(1023 - e) << 52);\n",
"#line 141 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"h = (double)(int64_t)(w[0] >> 11) * 1.1102230246251565e-16 * scale;\n",
"#line 143 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"l = (double)(int64_t)((w[0] & 2047u) << 42 | w[1] >> 22) * 1.232595164407831e-32 * scale;\n",
"r = tg__times(h, 1.5707963267948966);\n",
"rl = tg__mullo64(h, 1.5707963267948966, r) + (tg__times(h, 6.123233995736766e-17) +\n",
"tg__times(l, 1.5707963267948966));\n",
"z = r + rl; rl = (r - z) + rl; r = z;\n",
"if (minus) { r = -r; rl = -rl; }\n",
"z = tg__times(r, r); v = tg__times(z, r); sn = tg__huge_sin[0]; cs = tg__huge_cos[0];\n",
"for (i = 1; i < 5; i++) sn = tg__times(sn, z) + tg__huge_sin[i];\n",
"for (i = 1; i < 6; i++) cs = tg__times(cs, z) + tg__huge_cos[i];\n",
"sn = r - ((tg__times(z, tg__times(0.5, rl) - tg__times(v, sn)) - rl) + tg__times(v, 0.16666666666666632));\n",
"hz = 0.5 * z; t = 1.0 - hz;\n",
"cs = t + (((1.0 - t) - hz) + (tg__times(tg__times(z, z), cs) - tg__times(r, rl)));\n",
"if (what == 2) { r = quadrant & 1 ? -cs / sn : sn / cs; return x < 0 ? -r : r; }\n",
"if (what == 1) quadrant++;\n",
"r = quadrant & 1 ? cs : sn;\n",
"if (((quadrant & 2) != 0) != (what == 0 && x < 0)) r = -r;\n",
"return r;\n",
"}\n",
"#line 164 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__PRIVATE double tg__fmod64(double x, double y) {\n",
"uint64_t ux = tg__bits64(x), uy = tg__bits64(y) & 0x7fffffffffffffffu, sign = ux & 0x8000000000000000u, mx, my;\n",
"int ex, ey;\n",
"ux &= 0x7fffffffffffffffu;\n",
"if (ux >= 0x7ff0000000000000u || uy > 0x7ff0000000000000u || uy == 0) return tg__double(0x7ff8000000000000u);\n",
"if (ux < uy) return x;\n",
"ex = tg__split64(ux, &mx); ey = tg__split64(uy, &my);\n",
"while (!(mx >> 52)) { mx <<= 1; ex--; }\n",
"while (!(my >> 52)) { my <<= 1; ey--; }\n",
"for (; ex > ey; ex--) { if (mx >= my) mx -= my; mx <<= 1; }\n",
"if (mx >= my) mx -= my;\n",
"if (!mx) return tg__double(sign);\n",
"while (!(mx >> 52)) { mx <<= 1; ex--; }\n",
"ex += 1075;\n",
"return tg__double(sign | (ex > 0 ? (mx & 0xfffffffffffffu) | (uint64_t)ex << 52 : mx >> (1 - ex)));\n",
"}\n",
"#endif\n",
"#line 183 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"#define TG__T double\n",
"#define TG__V TG__FN(tg__vf64)\n",
"#define TG__M TG__FN(tg__mf64)\n",
"#define TG__VI TG__FN(tg__vi64)\n",
"#define TG__W(word) TG__FN(tg__w_##word##_f64)\n",
"#define TG__INF TG__K(tg__double(0x7ff0000000000000u))\n",
"#define TG__NAN TG__K(tg__double(0x7ff8000000000000u))\n",
"#line 192 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__INLINE TG__V TG__W(sumerr)(TG__V a, TG__V b, TG__V s) {\n",
"TG__V t = TG__SUB(s, a);\n",
"return TG__ADD(TG__SUB(a, TG__SUB(s, t)), TG__SUB(b, t));\n",
"}\n",
"#line 197 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__INLINE TG__V TG__W(flip)(TG__V v, TG__VI s) { return TG__W(frombits)(TG__W(ixor)(TG__W(bits)(v), s)); }\n",
"TG__INLINE TG__VI TG__W(signbit)(TG__V v) { return TG__W(ishl)(TG__W(ishr)(TG__W(bits)(v), 63), 63); }\n",
"#line 203 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__INLINE TG__V TG__W(exppoly)(TG__V r, TG__V c) {\n",
"TG__V z = TG__MUL(r, r);\n",
"TG__V q = TG__H6(r, 2.500001609792024e-08, 2.763030628436035e-07, 2.7557586812222355e-06, 2.480149294954117e-05,\n",
"0.0001984126950576488, 0.0013888888943760047);\n",
"q = TG__FMA(q, r, TG__K(0.008333333333494982));\n",
"q = TG__FMA(q, r, TG__K(0.041666666666529725));\n",
"q = TG__FMA(q, r, TG__K(0.1666666666666641));\n",
"q = TG__FMA(q, r, TG__K(0.5000000000000011));\n",
"c = TG__FMA(c, TG__FMA(z, q, r), c);\n",
"return TG__ADD(r, TG__FMA(z, q, c));\n",
"}\n",
"TG__INLINE TG__V TG__W(expreduce)(TG__V x, TG__V xl, TG__V *k) {\n",
"#line 216 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__V t = TG__FMA(x, TG__K(1.4426950408889634), TG__K(6755399441055744.0)), h, r, c;\n",
"TG__BARRIER(t);\n",
"*k = TG__SUB(t, TG__K(6755399441055744.0));\n",
"h = TG__FNMA(*k, TG__K(0.6931471803691238), x);\n",
"r = TG__FNMA(*k, TG__K(1.9082149292705877e-10), h);\n",
"c = TG__ADD(TG__FNMA(*k, TG__K(1.9082149292705877e-10), TG__SUB(h, r)), xl);\n",
"return TG__W(exppoly)(r, c);\n",
"}\n",
"#line 226 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__PRIVATE TG__V TG__W(exp)(TG__V x) {\n",
"TG__V k, p;\n",
"x = TG__W(minq)(TG__K(711.0), TG__W(maxq)(TG__K(-746.0), x));\n",
"p = TG__W(expreduce)(x, TG__K(0.0), &k);\n",
"return TG__W(scale)(TG__ADD(TG__K(1.0), p), k);\n",
"}\n",
"#line 233 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__PRIVATE TG__V TG__W(exp2)(TG__V x) {\n",
"TG__V t, k, r, h, l;\n",
"x = TG__W(minq)(TG__K(1025.0), TG__W(maxq)(TG__K(-1077.0), x));\n",
"t = TG__ADD(x, TG__K(6755399441055744.0));\n",
"k = TG__SUB(t, TG__K(6755399441055744.0));\n",
"r = TG__SUB(x, k);\n",
"h = TG__MUL(r, TG__K(0.6931471805599453));\n",
"l = TG__FMA(r, TG__K(2.3190468138462996e-17), TG__W(mullo)(r, TG__K(0.6931471805599453), h));\n",
"return TG__W(scale)(TG__ADD(TG__K(1.0), TG__W(exppoly)(h, l)), k);\n",
"}\n",
"#line 244 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__PRIVATE TG__V TG__W(expm1)(TG__V x) {\n",
"TG__V k, p, y = TG__W(minq)(TG__K(711.0), TG__W(maxq)(TG__K(-60.0), x)), n;\n",
"p = TG__W(expreduce)(y, TG__K(0.0), &k);\n",
"n = TG__W(pow2)(TG__W(maxq)(TG__K(-1000.0), TG__SUB(TG__K(0.0), k)));\n",
"return TG__W(copysign)(TG__W(scale)(TG__ADD(TG__SUB(TG__K(1.0), n), p), k), x);\n",
"}\n",
"#line 253 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__INLINE TG__V TG__W(logsplit)(TG__V x, TG__V *k) {\n",
"TG__M tiny = TG__W(lt)(x, TG__K(2.2250738585072014e-308));\n",
"TG__VI i = TG__W(bits)(TG__SEL(tiny, TG__MUL(x, TG__K(18014398509481984.0)), x));\n",
"TG__VI base = TG__W(iset)((int64_t)0x3fe6a09e667f3bcd), n;\n",
"i = TG__W(isub)(i, base);\n",
"n = TG__W(isar)(i, 52);\n",
"i = TG__W(iadd)(TG__W(isub)(i, TG__W(ishl)(n, 52)), base);\n",
"*k = TG__ADD(TG__W(i2f)(n), TG__SEL(tiny, TG__K(-54.0), TG__K(0.0)));\n",
"return TG__SUB(TG__W(frombits)(i), TG__K(1.0));\n",
"}\n",
"#line 265 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__INLINE TG__V TG__W(logpoly)(TG__V s) {\n",
"TG__V z = TG__MUL(s, s);\n",
"return TG__MUL(z, TG__H7(z, 0.14795742060366698, 0.15314075132974156, 0.18183563180497508, 0.22222198599823542,\n",
"0.2857142874206641, 0.3999999999941654, 0.6666666666666734));\n",
"}\n",
"#line 271 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__INLINE TG__V TG__W(logsum)(TG__V f, TG__V s, TG__V k, TG__V lo) {\n",
"TG__V h = TG__MUL(TG__MUL(TG__K(0.5), f), f);\n",
"lo = TG__FMA(k, TG__K(1.9082149292705877e-10), lo);\n",
"lo = TG__FMA(s, TG__ADD(h, TG__W(logpoly)(s)), lo);\n",
"return TG__FMA(k, TG__K(0.6931471803691238), TG__SUB(f, TG__SUB(h, lo)));\n",
"}\n",
"#line 278 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__INLINE TG__V TG__W(logends)(TG__V x, TG__V y) {\n",
"y = TG__SEL(TG__W(lt)(x, TG__INF), y, x);\n",
"return TG__SEL(TG__W(gt)(x, TG__K(0.0)), y, TG__SEL(TG__W(eq)(x, TG__K(0.0)), TG__W(neg)(TG__INF), TG__NAN));\n",
"}\n",
"#line 283 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__PRIVATE TG__V TG__W(log)(TG__V x) {\n",
"TG__V k, f = TG__W(logsplit)(x, &k), s = TG__DIV(f, TG__ADD(TG__K(2.0), f));\n",
"return TG__W(logends)(x, TG__W(logsum)(f, s, k, TG__K(0.0)));\n",
"}\n",
"#line 290 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__PRIVATE TG__V TG__W(log1p)(TG__V x) {\n",
"TG__V one = TG__K(1.0), u = TG__ADD(one, x), c = TG__W(sumerr)(one, x, u), k, f, s;\n",
"TG__M zero;\n",
"f = TG__W(logsplit)(u, &k);\n",
"zero = TG__W(eq)(k, TG__K(0.0));\n",
"c = TG__SEL(zero, TG__K(0.0), TG__MUL(c, TG__W(pow2)(TG__W(maxq)(TG__K(-1022.0), TG__SUB(TG__K(0.0), k)))));\n",
"f = TG__SEL(zero, x, f);\n",
"s = TG__DIV(f, TG__ADD(TG__K(2.0), f));\n",
"c = TG__MUL(c, TG__FMA(TG__FMA(TG__K(2.0), s, TG__K(-2.0)), s, one));\n",
"return TG__W(copysign)(TG__W(logends)(u, TG__W(logsum)(f, s, k, c)), x);\n",
"}\n",
"#line 302 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__INLINE TG__V TG__W(logpair)(TG__V f, TG__V *lo) {\n",
"TG__V s = TG__DIV(f, TG__ADD(TG__K(2.0), f)), h = TG__MUL(TG__MUL(TG__K(0.5), f), f), hi = TG__SUB(f, h);\n",
"*lo = TG__FMA(s, TG__ADD(h, TG__W(logpoly)(s)), TG__SUB(TG__SUB(f, hi), h));\n",
"return hi;\n",
"}\n",
"#line 309 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__PRIVATE TG__V TG__W(log2)(TG__V x) {\n",
"TG__V k, lo, f = TG__W(logsplit)(x, &k), hi = TG__W(logpair)(f, &lo), c = TG__K(1.4426950408889634), v, s;\n",
"v = TG__MUL(hi, c);\n",
"lo = TG__FMA(lo, c, TG__FMA(hi, TG__K(2.0355273740931033e-17), TG__W(mullo)(hi, c, v)));\n",
"s = TG__ADD(k, v);\n",
"return TG__W(logends)(x, TG__ADD(s, TG__ADD(TG__W(sumerr)(k, v, s), lo)));\n",
"}\n",
"TG__PRIVATE TG__V TG__W(log10)(TG__V x) {\n",
"TG__V k, lo, f = TG__W(logsplit)(x, &k), hi = TG__W(logpair)(f, &lo), c = TG__K(0.4342944819032518), v, s, n;\n",
"v = TG__MUL(hi, c);\n",
"lo = TG__FMA(lo, c, TG__FMA(hi, TG__K(1.098319650216765e-17), TG__W(mullo)(hi, c, v)));\n",
"n = TG__MUL(k, TG__K(0.3010299955494702));\n",
"lo = TG__FMA(k, TG__K(1.1451100898021838e-10), lo);\n",
"s = TG__ADD(n, v);\n",
"return TG__W(logends)(x, TG__ADD(s, TG__ADD(TG__W(sumerr)(n, v, s), lo)));\n",
"}\n",
"#line 328 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"#define TG__POWENDS \\\n",
"TG__INLINE TG__V TG__W(powends)(TG__V x, TG__V y, TG__V r) { \\\n",
"TG__V ax = TG__W(abs)(x), one = TG__K(1), zero = TG__K(0), half = TG__MUL(y, TG__K((TG__T)0.5)); \\\n",
"TG__M whole = TG__W(eq)(TG__W(trunc)(y), y), odd = TG__W(mand)(whole, TG__W(ne)(TG__W(trunc)(half), half)), m; \\\n",
"TG__M ends = TG__W(mor)(TG__W(eq)(ax, zero), TG__W(mor)(TG__W(isinf)(ax), TG__W(isinf)(y))); \\\n",
"m = TG__W(mxor)(TG__W(gt)(ax, one), TG__W(lt)(y, zero)); \\\n",
"r = TG__SEL(ends, TG__SEL(m, TG__INF, zero), r); \\\n",
"r = TG__W(flip)(r, TG__W(iselect)(odd, TG__W(signbit)(x), TG__W(iset)(0))); \\\n",
"m = TG__W(mand)(TG__W(lt)(x, zero), TG__W(mand)(TG__W(isfinite)(x), TG__W(mnot)(whole))); \\\n",
"m = TG__W(mor)(m, TG__W(mor)(TG__W(isnan)(x), TG__W(isnan)(y))); \\\n",
"r = TG__SEL(m, TG__NAN, r); \\\n",
"m = TG__W(mor)(TG__W(mor)(TG__W(eq)(y, zero), TG__W(eq)(x, one)), TG__W(mand)(TG__W(eq)(ax, one), TG__W(isinf)(y))); \\\n",
"return TG__SEL(m, one, r); \\\n",
"}\n",
"TG__POWENDS\n",
"#line 344 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__PRIVATE TG__V TG__W(pow)(TG__V x, TG__V y) {\n",
"TG__V one = TG__K(1.0), zero = TG__K(0.0), ax = TG__W(abs)(x), k, f, d, dl, inv, s, sl, z, zl, a, al, t,\n",
"b, h, l, hl, p, r;\n",
"TG__M m;\n",
"f = TG__W(logsplit)(ax, &k);\n",
"d = TG__ADD(TG__K(2.0), f); dl = TG__SUB(f, TG__SUB(d, TG__K(2.0)));\n",
"inv = TG__DIV(one, d);\n",
"s = TG__MUL(f, inv);\n",
"sl = TG__MUL(TG__FNMA(s, dl, TG__W(neg)(TG__W(mullo)(s, d, f))), inv);\n",
"z = TG__MUL(s, s);\n",
"zl = TG__FMA(TG__ADD(s, s), sl, TG__W(mullo)(s, s, z));\n",
"#line 356 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"t = TG__H7(z, 0.06598184101519017, 0.06628406668821239, 0.07693378764376889, 0.09090892181306627,\n",
"0.11111111259988805, 0.14285714285049622, 0.20000000000001128);\n",
"b = TG__MUL(z, TG__K(0.3333333333333333));\n",
"al = TG__FMA(zl, TG__K(0.3333333333333333),\n",
"TG__FMA(z, TG__K(1.850371707708594e-17), TG__W(mullo)(z, TG__K(0.3333333333333333), b)));\n",
"t = TG__FMA(TG__MUL(z, z), t, al);\n",
"a = TG__ADD(b, t); al = TG__ADD(TG__SUB(b, a), t);\n",
"s = TG__ADD(s, s); sl = TG__ADD(sl, sl);\n",
"b = TG__MUL(s, a);\n",
"t = TG__FMA(s, al, TG__FMA(sl, a, TG__ADD(TG__W(mullo)(s, a, b), sl)));\n",
"h = TG__ADD(s, b); l = TG__ADD(TG__ADD(TG__SUB(s, h), b), t);\n",
"d = TG__MUL(k, TG__K(0.6931471803691238));\n",
"t = TG__ADD(d, h);\n",
"l = TG__ADD(TG__W(sumerr)(d, h, t), TG__FMA(k, TG__K(1.9082149292705877e-10), l));\n",
"h = TG__ADD(t, l); l = TG__ADD(TG__SUB(t, h), l);\n",
"#line 372 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"p = TG__MUL(y, h);\n",
"hl = TG__FMA(y, l, TG__W(mullo)(y, h, p));\n",
"m = TG__W(lt)(TG__W(abs)(p), TG__K(750.0));\n",
"hl = TG__SEL(m, hl, zero);\n",
"p = TG__W(minq)(TG__K(750.0), TG__W(maxq)(TG__K(-750.0), p));\n",
"t = TG__W(expreduce)(p, hl, &k);\n",
"r = TG__W(scale)(TG__ADD(one, t), k);\n",
"return TG__W(powends)(x, y, r);\n",
"}\n",
"#line 387 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__INLINE TG__V TG__W(halfpi)(TG__V x, TG__V *rl, TG__VI *quadrant) {\n",
"TG__V t = TG__FMA(x, TG__K(0.6366197723675814), TG__K(6755399441055744.0)), k, a, b, w, e, l;\n",
"TG__BARRIER(t);\n",
"*quadrant = TG__W(bits)(t);\n",
"k = TG__SUB(t, TG__K(6755399441055744.0));\n",
"a = TG__FNMA(k, TG__K(1.5707963267341256), x);\n",
"w = TG__MUL(k, TG__K(-6.077100506303966e-11));\n",
"b = TG__ADD(a, w); e = TG__W(sumerr)(a, w, b);\n",
"w = TG__MUL(k, TG__K(-2.0222662487111665e-21));\n",
"a = TG__ADD(b, w);\n",
"l = TG__ADD(e, TG__FNMA(k, TG__K(8.4784276603689e-32), TG__W(sumerr)(b, w, a)));\n",
"b = TG__ADD(a, l);\n",
"*rl = TG__W(sumerr)(a, l, b);\n",
"return b;\n",
"}\n",
"TG__INLINE TG__V TG__W(sinpoly)(TG__V r, TG__V rl) {\n",
"TG__V z = TG__MUL(r, r), v = TG__MUL(z, r);\n",
"TG__V p = TG__H5(z, 1.5896681598845614e-10, -2.5050756712114706e-08, 2.7557313687568184e-06,\n",
"-0.00019841269829813416, 0.008333333333322455);\n",
"p = TG__FNMA(v, p, TG__MUL(TG__K(0.5), rl));\n",
"return TG__SUB(r, TG__FMA(v, TG__K(0.16666666666666632), TG__SUB(TG__MUL(z, p), rl)));\n",
"}\n",
"TG__INLINE TG__V TG__W(cospoly)(TG__V r, TG__V rl) {\n",
"TG__V z = TG__MUL(r, r), h = TG__MUL(TG__K(0.5), z), w = TG__SUB(TG__K(1.0), h);\n",
"TG__V p = TG__H6(z, -1.1359803532177195e-11, 2.0875727075935086e-09, -2.75573143875594e-07,\n",
"2.480158728963647e-05, -0.0013888888888874441, 0.0416666666666666);\n",
"p = TG__FNMA(r, rl, TG__MUL(TG__MUL(z, z), p));\n",
"return TG__ADD(w, TG__ADD(TG__SUB(TG__SUB(TG__K(1.0), w), h), p));\n",
"}\n",
"TG__PRIVATE TG__V TG__W(trighuge)(TG__V x, TG__V y, TG__M which, int what) {\n",
"double a[TG__VN_F64], b[TG__VN_F64], c[TG__VN_F64]; int i;\n",
"TG__W(store)(a, x); TG__W(store)(b, y); TG__W(store)(c, TG__SEL(which, TG__K(1.0), TG__K(0.0)));\n",
"for (i = 0; i < TG__VN_F64; i++) if (c[i] != 0) b[i] = tg__trig_huge(a[i], what);\n",
"return TG__W(load)(b);\n",
"}\n",
"TG__INLINE TG__V TG__W(trig)(TG__V x, int what) {\n",
"TG__V ax = TG__W(abs)(x), rl, r, s, c, y;\n",
"TG__VI q, one = TG__W(iset)(1);\n",
"TG__M big = TG__W(mnot)(TG__W(lt)(ax, TG__K(8e5))), odd;\n",
"r = TG__W(halfpi)(ax, &rl, &q);\n",
"s = TG__W(sinpoly)(r, rl); c = TG__W(cospoly)(r, rl);\n",
"if (what == 1) q = TG__W(iadd)(q, one);\n",
"odd = TG__W(ieq)(TG__W(iand)(q, one), one);\n",
"if (what == 2) {\n",
"y = TG__DIV(TG__SEL(odd, c, s), TG__SEL(odd, s, c));\n",
"y = TG__W(flip)(y, TG__W(ixor)(TG__W(ishl)(q, 63), TG__W(signbit)(x)));\n",
"} else {\n",
"y = TG__SEL(odd, c, s);\n",
"q = TG__W(ishl)(TG__W(ishr)(q, 1), 63);\n",
"if (what == 0) q = TG__W(ixor)(q, TG__W(signbit)(x));\n",
"y = TG__W(flip)(y, q);\n",
"}\n",
"if (TG__W(many)(big)) y = TG__W(trighuge)(x, y, big, what);\n",
"return y;\n",
"}\n",
"TG__PRIVATE TG__V TG__W(sin)(TG__V x) { return TG__W(trig)(x, 0); }\n",
"TG__PRIVATE TG__V TG__W(cos)(TG__V x) { return TG__W(trig)(x, 1); }\n",
"#line 445 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__INLINE void TG__W(sincos)(TG__V x, TG__V *sine, TG__V *cosine) {\n",
"TG__V rl, r, s, c;\n",
"TG__VI q, one = TG__W(iset)(1);\n",
"TG__M odd;\n",
"r = TG__W(halfpi)(x, &rl, &q);\n",
"s = TG__W(sinpoly)(r, rl); c = TG__W(cospoly)(r, rl);\n",
"odd = TG__W(ieq)(TG__W(iand)(q, one), one);\n",
"*sine = TG__W(flip)(TG__SEL(odd, c, s), TG__W(ishl)(TG__W(ishr)(q, 1), 63));\n",
"*cosine = TG__W(flip)(TG__SEL(odd, s, c), TG__W(ishl)(TG__W(ishr)(TG__W(iadd)(q, one), 1), 63));\n",
"}\n",
"TG__PRIVATE TG__V TG__W(tan)(TG__V x) { return TG__W(trig)(x, 2); }\n",
"#line 460 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__INLINE TG__V TG__W(atanratio)(TG__V n, TG__V d, int brief) {\n",
"TG__M low = TG__W(le)(n, TG__MUL(d, TG__K(0.41421356237309503))), high = TG__W(gt)(n, TG__MUL(d,\n",
"TG__K(2.414213562373095)));\n",
"TG__V a = TG__SEL(low, n, TG__SEL(high, TG__W(neg)(d), TG__SUB(n, d)));\n",
"TG__V b = TG__SEL(low, d, TG__SEL(high, n, TG__ADD(n, d)));\n",
"TG__V hi = TG__SEL(low, TG__K(0.0), TG__SEL(high, TG__K(1.5707963267948966), TG__K(0.7853981633974483)));\n",
"TG__V lo = TG__SEL(low, TG__K(0.0), TG__SEL(high, TG__K(6.123233995736766e-17), TG__K(3.061616997868383e-17)));\n",
"TG__V t = TG__DIV(a, b), z = TG__MUL(t, t), p;\n",
"if (brief) p = TG__H6(z, 0.047480574465655845, -0.08478305382189495, 0.11045076334759926, -0.14282040756219905,\n",
"0.19999905143422284, -0.3333333251415475);\n",
"else {\n",
"p = TG__H6(z, 0.014892767761222617, -0.03317408226646688, 0.04490532873420305, -0.052151748974778186,\n",
"0.058765156895375176, -0.06666174624015973);\n",
"p = TG__FMA(p, z, TG__K(0.07692279198305033));\n",
"p = TG__FMA(p, z, TG__K(-0.09090907985786055));\n",
"p = TG__FMA(p, z, TG__K(0.11111111083744553));\n",
"p = TG__FMA(p, z, TG__K(-0.14285714285316392));\n",
"p = TG__FMA(p, z, TG__K(0.19999999999997095));\n",
"p = TG__FMA(p, z, TG__K(-0.33333333333333326));\n",
"}\n",
"p = TG__FMA(TG__MUL(t, z), p, lo);\n",
"return TG__ADD(hi, TG__ADD(t, p));\n",
"}\n",
"TG__PRIVATE TG__V TG__W(atan)(TG__V x)\n",
"{ return TG__W(copysign)(TG__W(atanratio)(TG__W(abs)(x), TG__K(1.0), 0), x); }\n",
"TG__PRIVATE TG__V TG__W(atanbrief)(TG__V x)\n",
"{ return TG__W(copysign)(TG__W(atanratio)(TG__W(abs)(x), TG__K(1.0), 1), x); }\n",
"#line 488 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__INLINE TG__V TG__W(atanpair)(TG__V y, TG__V x, int brief) {\n",
"TG__V ay = TG__W(abs)(y), ax = TG__W(abs)(x), zero = TG__K(0.0), r;\n",
"TG__M both = TG__W(mand)(TG__W(isinf)(ay), TG__W(isinf)(ax));\n",
"TG__M large = TG__W(gt)(TG__W(maxq)(ay, ax), TG__K(1e307)), minus = TG__W(igt)(TG__W(iset)(0), TG__W(bits)(x));\n",
"ay = TG__SEL(both, TG__K(1.0), TG__SEL(large, TG__MUL(ay, TG__K(0.125)), ay));\n",
"ax = TG__SEL(both, TG__K(1.0), TG__SEL(large, TG__MUL(ax, TG__K(0.125)), ax));\n",
"ax = TG__SEL(TG__W(mand)(TG__W(eq)(ax, zero), TG__W(eq)(ay, zero)), TG__K(1.0), ax);\n",
"r = TG__W(atanratio)(ay, ax, brief);\n",
"r = TG__SEL(minus, TG__SUB(TG__K(3.141592653589793), TG__SUB(r, TG__K(1.2246467991473532e-16))), r);\n",
"r = TG__SEL(TG__W(mor)(TG__W(isnan)(x), TG__W(isnan)(y)), TG__NAN, r);\n",
"return TG__W(copysign)(r, y);\n",
"}\n",
"TG__PRIVATE TG__V TG__W(atan2)(TG__V y, TG__V x)      { return TG__W(atanpair)(y, x, 0); }\n",
"TG__PRIVATE TG__V TG__W(atan2brief)(TG__V y, TG__V x) { return TG__W(atanpair)(y, x, 1); }\n",
"#line 505 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__INLINE TG__V TG__W(asinpoly)(TG__V z, int brief) {\n",
"TG__V p;\n",
"if (brief) return TG__H7(z, 0.03470703773331671, 0.007457769247613753, 0.024621930178728085,\n",
"0.03010970457171017, 0.044660205836726016, 0.0749994800746703, 0.16666667191549836);\n",
"p = TG__H7(z, 0.03269702827409053, -0.02110872757407088, 0.021785158699721224, 0.003674373044151746,\n",
"0.01078876065431677, 0.011397389530738159, 0.013981007198451544);\n",
"p = TG__FMA(p, z, TG__K(0.01735159640549777));\n",
"p = TG__FMA(p, z, TG__K(0.02237221585789423));\n",
"p = TG__FMA(p, z, TG__K(0.0303819426768923));\n",
"p = TG__FMA(p, z, TG__K(0.04464285717525453));\n",
"p = TG__FMA(p, z, TG__K(0.07499999999970129));\n",
"return TG__FMA(p, z, TG__K(0.16666666666666763));\n",
"}\n",
"TG__INLINE TG__V TG__W(arcsin)(TG__V x, int brief) {\n",
"TG__V a = TG__W(abs)(x), z, s, r;\n",
"TG__M big = TG__W(gt)(a, TG__K(0.5));\n",
"z = TG__SEL(big, TG__MUL(TG__K(0.5), TG__SUB(TG__K(1.0), a)), TG__MUL(a, a));\n",
"s = TG__SEL(big, TG__W(sqrt)(z), a);\n",
"r = TG__FMA(TG__MUL(s, z), TG__W(asinpoly)(z, brief), s);\n",
"r = TG__SEL(big, TG__SUB(TG__K(1.5707963267948966), TG__SUB(TG__ADD(r, r), TG__K(6.123233995736766e-17))), r);\n",
"return TG__W(copysign)(r, x);\n",
"}\n",
"TG__INLINE TG__V TG__W(arccos)(TG__V x, int brief) {\n",
"TG__V a = TG__W(abs)(x), z, s, p, r;\n",
"TG__M big = TG__W(gt)(a, TG__K(0.5)), minus = TG__W(lt)(x, TG__K(0.0));\n",
"z = TG__SEL(big, TG__MUL(TG__K(0.5), TG__SUB(TG__K(1.0), a)), TG__MUL(a, a));\n",
"s = TG__SEL(big, TG__W(sqrt)(z), x);\n",
"p = TG__MUL(TG__MUL(s, z), TG__W(asinpoly)(z, brief));\n",
"r = TG__ADD(s, p);\n",
"z = TG__SUB(TG__K(1.5707963267948966), TG__SUB(s, TG__SUB(TG__K(6.123233995736766e-17), p)));\n",
"s = TG__SUB(TG__K(3.141592653589793), TG__SUB(TG__ADD(r, r), TG__K(1.2246467991473532e-16)));\n",
"return TG__SEL(big, TG__SEL(minus, s, TG__ADD(r, r)), z);\n",
"}\n",
"TG__PRIVATE TG__V TG__W(asin)(TG__V x)      { return TG__W(arcsin)(x, 0); }\n",
"TG__PRIVATE TG__V TG__W(acos)(TG__V x)      { return TG__W(arccos)(x, 0); }\n",
"TG__PRIVATE TG__V TG__W(asinbrief)(TG__V x) { return TG__W(arcsin)(x, 1); }\n",
"TG__PRIVATE TG__V TG__W(acosbrief)(TG__V x) { return TG__W(arccos)(x, 1); }\n",
"#line 547 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__INLINE TG__V TG__W(halfexp)(TG__V a) {\n",
"TG__V k, p;\n",
"a = TG__W(minq)(TG__K(711.0), a);\n",
"p = TG__W(expreduce)(a, TG__K(0.0), &k);\n",
"return TG__W(scale)(TG__ADD(TG__K(1.0), p), TG__SUB(k, TG__K(1.0)));\n",
"}\n",
"TG__PRIVATE TG__V TG__W(sinh)(TG__V x) {\n",
"TG__V a = TG__W(abs)(x), h = TG__W(halfexp)(a), z = TG__MUL(a, a), r;\n",
"r = TG__H7(z, 7.75931230255535e-13, 1.6057240337562338e-10, 2.505212339860958e-08, 2.7557319155336477e-06,\n",
"0.00019841269841437684, 0.008333333333333139, 0.16666666666666669);\n",
"r = TG__FMA(TG__MUL(a, z), r, a);\n",
"r = TG__SEL(TG__W(lt)(a, TG__K(1.0)), r, TG__SUB(h, TG__DIV(TG__K(0.25), h)));\n",
"return TG__W(copysign)(r, x);\n",
"}\n",
"TG__PRIVATE TG__V TG__W(cosh)(TG__V x) {\n",
"TG__V h = TG__W(halfexp)(TG__W(abs)(x));\n",
"return TG__ADD(h, TG__DIV(TG__K(0.25), h));\n",
"}\n",
"#line 566 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__PRIVATE TG__V TG__W(tanh)(TG__V x) {\n",
"TG__V a = TG__W(abs)(x), z = TG__MUL(a, a), k, p, r;\n",
"p = TG__H5(z, -1.9467965339110662e-05, 8.327495231233143e-05, -0.0002333540522429919, 0.000588434315040705,\n",
"-0.0014555405491655405);\n",
"p = TG__FMA(p, z, TG__K(0.0035920917042385936));\n",
"p = TG__FMA(p, z, TG__K(-0.008863232572505873));\n",
"p = TG__FMA(p, z, TG__K(0.021869488384317782));\n",
"p = TG__FMA(p, z, TG__K(-0.05396825396371576));\n",
"p = TG__FMA(p, z, TG__K(0.1333333333332656));\n",
"p = TG__FMA(p, z, TG__K(-0.333333333333333));\n",
"r = TG__FMA(TG__MUL(a, z), p, a);\n",
"z = TG__W(minq)(TG__K(40.0), TG__ADD(a, a));\n",
"p = TG__W(expreduce)(z, TG__K(0.0), &k);\n",
"z = TG__W(scale)(TG__ADD(TG__K(1.0), p), k);\n",
"z = TG__SUB(TG__K(1.0), TG__DIV(TG__K(2.0), TG__ADD(z, TG__K(1.0))));\n",
"return TG__W(copysign)(TG__SEL(TG__W(lt)(a, TG__K(0.55)), r, z), x);\n",
"}\n",
"#line 585 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__PRIVATE TG__V TG__W(asinh)(TG__V x) {\n",
"TG__V a = TG__W(abs)(x), b = TG__W(minq)(TG__K(268435456.0), a), z = TG__MUL(b, b), r;\n",
"r = TG__DIV(z, TG__ADD(TG__K(1.0), TG__W(sqrt)(TG__ADD(TG__K(1.0), z))));\n",
"r = TG__W(log1p)(TG__ADD(b, r));\n",
"z = TG__ADD(TG__W(log)(a), TG__K(0.6931471805599453));\n",
"return TG__W(copysign)(TG__SEL(TG__W(gt)(a, TG__K(268435456.0)), z, r), x);\n",
"}\n",
"TG__PRIVATE TG__V TG__W(acosh)(TG__V x) {\n",
"TG__V t = TG__SUB(TG__W(minq)(TG__K(268435456.0), x), TG__K(1.0)), r, z;\n",
"r = TG__W(log1p)(TG__ADD(t, TG__W(sqrt)(TG__FMA(t, t, TG__ADD(t, t)))));\n",
"z = TG__ADD(TG__W(log)(x), TG__K(0.6931471805599453));\n",
"r = TG__SEL(TG__W(gt)(x, TG__K(268435456.0)), z, r);\n",
"return TG__SEL(TG__W(lt)(x, TG__K(1.0)), TG__NAN, r);\n",
"}\n",
"#line 600 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__PRIVATE TG__V TG__W(atanh)(TG__V x) {\n",
"TG__V a = TG__W(abs)(x), t = TG__ADD(a, a), q, r;\n",
"TG__M low = TG__W(lt)(a, TG__K(0.5));\n",
"q = TG__DIV(TG__SEL(low, TG__MUL(t, a), t), TG__SUB(TG__K(1.0), a));\n",
"r = TG__W(log1p)(TG__SEL(low, TG__ADD(t, q), q));\n",
"return TG__W(copysign)(TG__MUL(TG__K(0.5), r), x);\n",
"}\n",
"#line 612 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__INLINE TG__V TG__W(erfcpair)(TG__V a, TG__V h, TG__V l, TG__V shift) {\n",
"TG__V t = TG__DIV(TG__SUB(a, TG__K(4.0)), TG__ADD(a, TG__K(4.0))), p, k, e;\n",
"p = TG__H8(t, 1.1981471535182299e-09, 1.6773173700566995e-09, -1.4070559573800652e-08, -1.7469774207672224e-08,\n",
"1.103328503230254e-07, 7.410545413409807e-08, -8.259663627767439e-07, 2.941617492191746e-07);\n",
"p = TG__FMA(p, t, TG__K(5.710196681223888e-06));\n",
"p = TG__FMA(p, t, TG__K(-1.122218299921159e-05));\n",
"p = TG__FMA(p, t, TG__K(-2.4399442181708168e-05));\n",
"p = TG__FMA(p, t, TG__K(0.00015062172347356494));\n",
"p = TG__FMA(p, t, TG__K(-0.00019925662554552521));\n",
"p = TG__FMA(p, t, TG__K(-0.0007577732992432546));\n",
"p = TG__FMA(p, t, TG__K(0.005031969964889126));\n",
"p = TG__FMA(p, t, TG__K(-0.016197734056207662));\n",
"p = TG__FMA(p, t, TG__K(0.03716751553897689));\n",
"p = TG__FMA(p, t, TG__K(-0.06633036581236014));\n",
"p = TG__FMA(p, t, TG__K(0.0937328349982563));\n",
"p = TG__FMA(p, t, TG__K(-0.10103906603629771));\n",
"p = TG__FMA(p, t, TG__K(0.06809705425469532));\n",
"p = TG__FMA(p, t, TG__K(0.015379652102619622));\n",
"p = TG__FMA(p, t, TG__K(-0.13962111684056253));\n",
"p = TG__FMA(p, t, TG__K(1.2329951186255526));\n",
"p = TG__DIV(p, TG__FMA(TG__K(2.0), a, TG__K(1.0)));\n",
"e = TG__W(expreduce)(h, l, &k);\n",
"return TG__W(scale)(TG__FMA(p, e, p), TG__ADD(k, shift));\n",
"}\n",
"TG__INLINE TG__V TG__W(erfcabs)(TG__V a) {\n",
"TG__V h;\n",
"a = TG__W(minq)(TG__K(27.5), a);\n",
"h = TG__MUL(a, a);\n",
"return TG__W(erfcpair)(a, TG__W(neg)(h), TG__W(neg)(TG__W(mullo)(a, a, h)), TG__K(0.0));\n",
"}\n",
"#line 643 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__INLINE TG__V TG__W(erflow)(TG__V a) {\n",
"TG__V z = TG__MUL(a, a), p;\n",
"p = TG__H7(z, 6.486216475118205e-11, -1.1648175917157528e-09, 1.4722577021136883e-08, -1.6358554925544076e-07,\n",
"1.6461687388598137e-06, -1.4925633117314878e-05, 0.00012055332503930704);\n",
"p = TG__FMA(p, z, TG__K(-0.0008548327014556372));\n",
"p = TG__FMA(p, z, TG__K(0.005223977625335714));\n",
"p = TG__FMA(p, z, TG__K(-0.02686617064512365));\n",
"p = TG__FMA(p, z, TG__K(0.11283791670955097));\n",
"p = TG__FMA(p, z, TG__K(-0.37612638903183754));\n",
"p = TG__FMA(p, z, TG__K(0.1283791670955126));\n",
"return TG__FMA(a, p, a);\n",
"}\n",
"TG__PRIVATE TG__V TG__W(erf)(TG__V x) {\n",
"TG__V a = TG__W(abs)(x);\n",
"return TG__W(copysign)(TG__SEL(TG__W(lt)(a, TG__K(0.9)), TG__W(erflow)(a), TG__SUB(TG__K(1.0),\n",
"TG__W(erfcabs)(a))), x);\n",
"}\n",
"#line 661 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__PRIVATE TG__V TG__W(erfc)(TG__V x) {\n",
"TG__V a = TG__W(abs)(x), r = TG__SEL(TG__W(lt)(a, TG__K(0.5)),\n",
"TG__SUB(TG__K(1.0), TG__W(erflow)(a)), TG__W(erfcabs)(a));\n",
"return TG__SEL(TG__W(lt)(x, TG__K(0.0)), TG__SUB(TG__K(2.0), r), r);\n",
"}\n",
"#line 667 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__PRIVATE TG__V TG__W(ndtr)(TG__V x) {\n",
"TG__V a = TG__W(minq)(TG__K(39.0), TG__W(abs)(x)), h = TG__MUL(a, a), l = TG__W(mullo)(a, a, h), r;\n",
"TG__V b = TG__MUL(a, TG__K(0.7071067811865476));\n",
"r = TG__W(erfcpair)(b, TG__MUL(h, TG__K(-0.5)), TG__MUL(l, TG__K(-0.5)), TG__K(-1.0));\n",
"r = TG__SEL(TG__W(lt)(b, TG__K(0.5)), TG__FNMA(TG__K(0.5), TG__W(erflow)(b), TG__K(0.5)), r);\n",
"return TG__SEL(TG__W(gt)(x, TG__K(0.0)), TG__SUB(TG__K(1.0), r), r);\n",
"}\n",
"#line 676 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__INLINE TG__V TG__W(rsqrt)(TG__V x) { return TG__DIV(TG__K(1.0), TG__W(sqrt)(x)); }\n",
"TG__INLINE TG__V TG__W(expminus)(TG__V x) {\n",
"TG__V k, p = TG__W(expreduce)(TG__W(maxq)(TG__K(-746.0), TG__W(neg)(TG__W(abs)(x))), TG__K(0.0), &k);\n",
"return TG__W(scale)(TG__ADD(TG__K(1.0), p), k);\n",
"}\n",
"TG__PRIVATE TG__V TG__W(sigmoid)(TG__V x) {\n",
"TG__V e = TG__W(expminus)(x);\n",
"return TG__DIV(TG__SEL(TG__W(lt)(x, TG__K(0.0)), e, TG__K(1.0)), TG__ADD(TG__K(1.0), e));\n",
"}\n",
"TG__PRIVATE TG__V TG__W(gelutanh)(TG__V x)\n",
"{ return TG__MUL(x, TG__W(sigmoid)(TG__MUL(x,\n",
"TG__FMA(TG__MUL(x, x), TG__K(0.07135481627159955), TG__K(1.5957691216057308))))); }\n",
"TG__PRIVATE TG__V TG__W(softplus)(TG__V x)\n",
"{ return TG__ADD(TG__W(maxq)(TG__K(0.0), x), TG__W(log1p)(TG__W(expminus)(x))); }\n",
"TG__PRIVATE TG__V TG__W(logsigmoid)(TG__V x)\n",
"{ return TG__SUB(TG__W(minq)(TG__K(0.0), x), TG__W(log1p)(TG__W(expminus)(x))); }\n",
"#line 696 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__PRIVATE TG__V TG__W(fmod)(TG__V x, TG__V y) {\n",
"#if TG__VN_F64 > 1\n",
"TG__V n = TG__W(abs)(x), d = TG__W(abs)(y), q = TG__DIV(n, d), r, zero = TG__K(0.0);\n",
"#if defined(TG__UNFUSED)\n",
"const TG__V most = TG__K(67108864.0), upper = TG__W(frombits)(TG__W(iand)(TG__W(bits)(d), TG__W(iset)(~(int64_t)0x7ffffff)));\n",
"r = TG__W(trunc)(q);\n",
"r = TG__SUB(TG__SUB(n, TG__MUL(r, upper)), TG__MUL(r, TG__SUB(d, upper)));\n",
"#else\n",
"const TG__V most = TG__K(4503599627370496.0);\n",
"r = TG__FNMA(TG__W(trunc)(q), d, n);\n",
"#endif\n",
"const TG__M ok = TG__W(mand)(TG__W(lt)(q, most), TG__W(mand)(TG__W(gt)(d, zero), TG__W(lt)(d, TG__INF)));\n",
"r = TG__SEL(TG__W(lt)(r, zero), TG__ADD(r, d), r);\n",
"r = TG__SEL(TG__W(ge)(r, d), TG__SUB(r, d), r);\n",
"r = TG__W(copysign)(r, x);\n",
"if (!TG__W(mall)(ok)) {\n",
"double a[TG__VN_F64], b[TG__VN_F64], c[TG__VN_F64], o[TG__VN_F64]; int i;\n",
"TG__W(store)(a, x); TG__W(store)(b, y); TG__W(store)(c, r); TG__W(store)(o, TG__SEL(ok, TG__K(1.0), zero));\n",
"for (i = 0; i < TG__VN_F64; i++) if (o[i] == 0) c[i] = tg__fmod64(a[i], b[i]);\n",
"r = TG__W(load)(c);\n",
"}\n",
"return r;\n",
"#else\n",
"return tg__fmod64(x, y);\n",
"#endif\n",
"}\n",
"#line 726 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__INLINE TG__V TG__W(logbrief)(TG__V x, TG__V *k) {\n",
"TG__VI i = TG__W(bits)(x), base = TG__W(iset)((int64_t)0x3fe6a09e667f3bcd), n;\n",
"TG__V f, s, z;\n",
"i = TG__W(isub)(i, base);\n",
"n = TG__W(isar)(i, 52);\n",
"f = TG__SUB(TG__W(frombits)(TG__W(iadd)(TG__W(isub)(i, TG__W(ishl)(n, 52)), base)), TG__K(1.0));\n",
"*k = TG__W(i2f)(n);\n",
"s = TG__DIV(f, TG__ADD(TG__K(2.0), f));\n",
"z = TG__MUL(s, s);\n",
"return TG__FMA(TG__MUL(s, z), TG__H4(z, 0.23582295087978342, 0.28537301417145794, 0.4000033529510055,\n",
"0.6666666564503858), TG__ADD(s, s));\n",
"}\n",
"TG__INLINE TG__V TG__W(lnbrief)(TG__V x) {\n",
"TG__V k, f = TG__W(logbrief)(x, &k);\n",
"return TG__FMA(k, TG__K(0.6931471805599453), f);\n",
"}\n",
"TG__PRIVATE TG__V TG__W(log2brief)(TG__V x) {\n",
"TG__V k, f = TG__W(logbrief)(x, &k);\n",
"return TG__FMA(f, TG__K(1.4426950408889634), k);\n",
"}\n",
"TG__PRIVATE TG__V TG__W(log10brief)(TG__V x) { return TG__MUL(TG__W(lnbrief)(x), TG__K(0.4342944819032518)); }\n",
"TG__PRIVATE TG__V TG__W(log1pbrief)(TG__V x) {\n",
"TG__V t = TG__FMA(TG__H3(x, 0.3333333333333333, -0.5, 0.0), x, x);\n",
"return TG__SEL(TG__W(lt)(TG__W(abs)(x), TG__K(0.000244140625)), t, TG__W(lnbrief)(TG__ADD(x, TG__K(1.0))));\n",
"}\n",
"TG__PRIVATE TG__V TG__W(asinhbrief)(TG__V a) {\n",
"TG__V z = TG__MUL(a, a), t = TG__FNMA(TG__MUL(a, z), TG__K(0.16666666666666666), a);\n",
"return TG__SEL(TG__W(lt)(a, TG__K(0.000244140625)), t,\n",
"TG__W(lnbrief)(TG__ADD(a, TG__W(sqrt)(TG__ADD(z, TG__K(1.0))))));\n",
"}\n",
"TG__PRIVATE TG__V TG__W(acoshbrief)(TG__V a)\n",
"{ return TG__W(lnbrief)(TG__ADD(a, TG__W(sqrt)(TG__FMA(a, a, TG__K(-1.0))))); }\n",
"TG__PRIVATE TG__V TG__W(atanhbrief)(TG__V a) {\n",
"TG__V t = TG__FMA(TG__MUL(a, TG__MUL(a, a)), TG__K(0.3333333333333333), a), q = TG__DIV(TG__ADD(TG__K(1.0), a),\n",
"TG__SUB(TG__K(1.0), a));\n",
"return TG__SEL(TG__W(lt)(a, TG__K(0.000244140625)), t, TG__MUL(TG__K(0.5), TG__W(lnbrief)(q)));\n",
"}\n",
"#line 764 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__INLINE TG__V TG__W(expbrief)(TG__V x) {\n",
"TG__V t = TG__FMA(x, TG__K(1.4426950408889634), TG__K(6755399441055744.0)), k, r;\n",
"TG__BARRIER(t);\n",
"k = TG__SUB(t, TG__K(6755399441055744.0));\n",
"r = TG__FNMA(k, TG__K(0.6931471805599453), x);\n",
"t = TG__H5(r, 0.0013814553525248513, 0.008368745298453332, 0.04166839052278136, 0.16666520397011572,\n",
"0.49999993433363543);\n",
"return TG__MUL(TG__ADD(TG__K(1.0), TG__FMA(TG__MUL(r, r), t, r)), TG__W(pow2)(k));\n",
"}\n",
"TG__PRIVATE TG__V TG__W(powbrief)(TG__V x, TG__V y) {\n",
"TG__V p = TG__MUL(y, TG__W(lnbrief)(TG__W(abs)(x)));\n",
"return TG__W(expbrief)(TG__W(minq)(TG__K(150.0), TG__W(maxq)(TG__K(-150.0), p)));\n",
"}\n",
"#line 778 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__PRIVATE TG__V TG__W(sinhbrief)(TG__V a) {\n",
"TG__V z = TG__MUL(a, a), e = TG__W(expbrief)(TG__W(minq)(TG__K(100.0), a)), t;\n",
"t = TG__FMA(TG__MUL(a, z), TG__H4(z, 2.817439593288177e-06, 0.00019836066260042168, 0.008333350597957923,\n",
"0.1666666648872119), a);\n",
"return TG__SEL(TG__W(lt)(a, TG__K(1.0)), t, TG__MUL(TG__K(0.5), TG__SUB(e, TG__DIV(TG__K(1.0), e))));\n",
"}\n",
"TG__PRIVATE TG__V TG__W(coshbrief)(TG__V a) {\n",
"TG__V e = TG__W(expbrief)(TG__W(minq)(TG__K(100.0), a));\n",
"return TG__MUL(TG__K(0.5), TG__ADD(e, TG__DIV(TG__K(1.0), e)));\n",
"}\n",
"#line 790 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__PRIVATE TG__V TG__W(tanbrief)(TG__V x) {\n",
"TG__V t = TG__FMA(x, TG__K(0.6366197723675814), TG__K(6755399441055744.0)), k, r, z, s, c;\n",
"TG__VI one = TG__W(iset)(1), q;\n",
"TG__M odd;\n",
"TG__BARRIER(t);\n",
"k = TG__SUB(t, TG__K(6755399441055744.0));\n",
"q = TG__W(bits)(t);\n",
"r = TG__FNMA(k, TG__K(6.077100506506192e-11), TG__FNMA(k, TG__K(1.5707963267341256), x));\n",
"z = TG__MUL(r, r);\n",
"s = TG__FMA(TG__MUL(r, z), TG__H4(z, 2.7182372256622492e-06, -0.0001983932713096311, 0.008333329362264242,\n",
"-0.16666666641426478), r);\n",
"c = TG__FMA(z, TG__H5(z, -2.7179354811210527e-07, 2.479903094189704e-05, -0.0013888881032193387,\n",
"0.041666666561246055, -0.4999999999954057), TG__K(1.0));\n",
"odd = TG__W(ieq)(TG__W(iand)(q, one), one);\n",
"return TG__W(flip)(TG__DIV(TG__SEL(odd, c, s), TG__SEL(odd, s, c)), TG__W(ishl)(q, 63));\n",
"}\n",
"#if defined(TG__UNFUSED)\n",
"#line 808 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__INLINE TG__V TG__W(quarters)(TG__V a, TG__V k)\n",
"{ return TG__SUB(TG__SUB(a, TG__MUL(k, TG__K(1.5707963267341256))), TG__MUL(k, TG__K(6.077100506506192e-11))); }\n",
"TG__INLINE TG__V TG__W(fromcentre)(TG__V a, TG__V centre) { return TG__SUB(TG__MUL(a, TG__K(1.4142135623730951)), centre); }\n",
"#endif\n",
"#undef TG__T\n",
"#undef TG__V\n",
"#undef TG__M\n",
"#undef TG__VI\n",
"#undef TG__INF\n",
"#undef TG__NAN\n",
"#line 820 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"#define TG__T float\n",
"#define TG__V TG__FN(tg__vf32)\n",
"#define TG__M TG__FN(tg__mf32)\n",
"#define TG__VI TG__FN(tg__vi32)\n",
"#define TG__D(word) TG__FN(tg__w_##word##_f64)\n",
"#undef TG__W\n",
"#define TG__W(word) TG__FN(tg__w_##word##_f32)\n",
"#define TG__INF TG__K(tg__float(0x7f800000u))\n",
"#define TG__NAN TG__K(tg__float(0x7fc00000u))\n",
"#line 830 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__INLINE TG__V TG__W(flip)(TG__V v, TG__VI s) { return TG__W(frombits)(TG__W(ixor)(TG__W(bits)(v), s)); }\n",
"TG__INLINE TG__VI TG__W(signbit)(TG__V v) { return TG__W(iand)(TG__W(bits)(v), TG__W(bits)(TG__K(-0.0f))); }\n",
"TG__INLINE TG__V TG__W(logends)(TG__V x, TG__V y) {\n",
"y = TG__SEL(TG__W(lt)(x, TG__INF), y, x);\n",
"return TG__SEL(TG__W(gt)(x, TG__K(0.0f)), y, TG__SEL(TG__W(eq)(x, TG__K(0.0f)), TG__W(neg)(TG__INF), TG__NAN));\n",
"}\n",
"TG__POWENDS\n",
"#line 839 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"#if TG__VN_F32 > 1\n",
"#define TG__WIDE1(word, x)    TG__W(narrow)(TG__D(word)(TG__W(lo)(x)), TG__D(word)(TG__W(hi)(x)))\n",
"#define TG__WIDE2(word, x, y) TG__W(narrow)(TG__D(word)(TG__W(lo)(x), TG__W(lo)(y)), TG__D(word)(TG__W(hi)(x), TG__W(hi)(y)))\n",
"#else\n",
"#define TG__WIDE1(word, x)    ((float)TG__D(word)((double)(x)))\n",
"#define TG__WIDE2(word, x, y) ((float)TG__D(word)((double)(x), (double)(y)))\n",
"#endif\n",
"TG__PRIVATE TG__V TG__W(log2)(TG__V x)           { return TG__W(logends)(x, TG__WIDE1(log2brief, x)); }\n",
"TG__PRIVATE TG__V TG__W(log10)(TG__V x)          { return TG__W(logends)(x, TG__WIDE1(log10brief, x)); }\n",
"TG__PRIVATE TG__V TG__W(log1p)(TG__V x)\n",
"{ return TG__W(copysign)(TG__W(logends)(TG__ADD(TG__K(1.0f), x), TG__WIDE1(log1pbrief, x)), x); }\n",
"TG__PRIVATE TG__V TG__W(asin)(TG__V x)           { return TG__WIDE1(asinbrief, x); }\n",
"TG__PRIVATE TG__V TG__W(acos)(TG__V x)           { return TG__WIDE1(acosbrief, x); }\n",
"TG__PRIVATE TG__V TG__W(atan)(TG__V x)           { return TG__WIDE1(atanbrief, x); }\n",
"TG__PRIVATE TG__V TG__W(atan2)(TG__V y, TG__V x) { return TG__WIDE2(atan2brief, y, x); }\n",
"TG__PRIVATE TG__V TG__W(fmod)(TG__V x, TG__V y)  { return TG__WIDE2(fmod, x, y); }\n",
"TG__PRIVATE TG__V TG__W(pow)(TG__V x, TG__V y)   { return TG__W(powends)(x, y, TG__WIDE2(powbrief, x, y)); }\n",
"TG__PRIVATE TG__V TG__W(cosh)(TG__V x)           { TG__V a = TG__W(abs)(x); return TG__WIDE1(coshbrief, a); }\n",
"TG__PRIVATE TG__V TG__W(sinh)(TG__V x)\n",
"{ TG__V a = TG__W(abs)(x); return TG__W(copysign)(TG__WIDE1(sinhbrief, a), x); }\n",
"TG__PRIVATE TG__V TG__W(acosh)(TG__V x)\n",
"{ return TG__SEL(TG__W(lt)(x, TG__K(1.0f)), TG__NAN, TG__W(logends)(x, TG__WIDE1(acoshbrief, x))); }\n",
"TG__PRIVATE TG__V TG__W(asinh)(TG__V x) {\n",
"TG__V a = TG__W(abs)(x);\n",
"return TG__W(copysign)(TG__SEL(TG__W(lt)(a, TG__INF), TG__WIDE1(asinhbrief, a), a), x);\n",
"}\n",
"#line 866 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__PRIVATE TG__V TG__W(atanh)(TG__V x) {\n",
"TG__V a = TG__W(abs)(x);\n",
"return TG__W(copysign)(TG__W(logends)(TG__SUB(TG__K(1.0f), a), TG__WIDE1(atanhbrief, a)), x);\n",
"}\n",
"#line 873 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__INLINE TG__V TG__W(expq)(TG__V r)\n",
"{ return TG__H5(r, 0.00138380087f, 0.00836916547f, 0.0416681021f, 0.166665167f, 0.49999994f); }\n",
"TG__INLINE TG__V TG__W(expreduce)(TG__V x, TG__V *k) {\n",
"TG__V t = TG__FMA(x, TG__K(1.44269502f), TG__K(12582912.0f)), r;\n",
"TG__BARRIER(t);\n",
"*k = TG__SUB(t, TG__K(12582912.0f));\n",
"r = TG__FNMA(*k, TG__K(0.693145752f), x);\n",
"r = TG__FNMA(*k, TG__K(1.42860677e-06f), r);\n",
"return TG__FMA(TG__MUL(r, r), TG__W(expq)(r), r);\n",
"}\n",
"TG__INLINE TG__V TG__W(expfrom)(TG__V x) {\n",
"TG__V t, k, r, p, one = TG__K(1.0f);\n",
"#if defined(TG__PASS_AVX512)\n",
"x = TG__W(maxq)(TG__K(-104.0f), x);\n",
"#endif\n",
"t = TG__FMA(x, TG__K(1.44269502f), TG__K(12582912.0f));\n",
"TG__BARRIER(t);\n",
"k = TG__SUB(t, TG__K(12582912.0f));\n",
"r = TG__FNMA(k, TG__K(0.693145752f), x);\n",
"r = TG__FNMA(k, TG__K(1.42860677e-06f), r);\n",
"p = TG__FMA(TG__FMA(TG__W(expq)(r), r, one), r, one);\n",
"#if !defined(TG__PASS_AVX512)\n",
"#line 896 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"x = TG__W(abs)(x);\n",
"if (TG__W(mall)(TG__W(le)(x, TG__K(87.0f))))\n",
"return TG__W(frombits)(TG__W(iadd)(TG__W(bits)(p), TG__W(ishl)(TG__W(bits)(t), 23)));\n",
"k = TG__W(minq)(TG__K(130.0f), TG__W(maxq)(TG__K(-150.0f), k));\n",
"p = TG__SEL(TG__W(gt)(x, TG__K(104.0f)), one, p);\n",
"#endif\n",
"return TG__W(scale)(p, k);\n",
"}\n",
"TG__INLINE TG__V TG__W(exp)(TG__V x) {\n",
"#if defined(TG__PASS_AVX512)\n",
"x = TG__W(minq)(TG__K(89.0f), x);\n",
"#endif\n",
"return TG__W(expfrom)(x);\n",
"}\n",
"#line 911 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__INLINE TG__V TG__W(exp2)(TG__V x) {\n",
"TG__V t, k, r;\n",
"x = TG__W(minq)(TG__K(129.0f), TG__W(maxq)(TG__K(-151.0f), x));\n",
"t = TG__ADD(x, TG__K(12582912.0f));\n",
"k = TG__SUB(t, TG__K(12582912.0f));\n",
"r = TG__SUB(x, k);\n",
"t = TG__H7(r, 1.33598332e-05f, 0.00015461391f, 0.00133419549f, 0.00961805694f, 0.0555040054f, 0.240226507f,\n",
"0.693147182f);\n",
"return TG__W(scale)(TG__FMA(t, r, TG__K(1.0f)), k);\n",
"}\n",
"TG__INLINE TG__V TG__W(expm1)(TG__V x) {\n",
"TG__V y = TG__W(minq)(TG__K(89.0f), TG__W(maxq)(TG__K(-30.0f), x)), t, k, h, r, c, n;\n",
"t = TG__FMA(y, TG__K(1.44269502f), TG__K(12582912.0f));\n",
"TG__BARRIER(t);\n",
"k = TG__SUB(t, TG__K(12582912.0f));\n",
"h = TG__FNMA(k, TG__K(0.693145752f), y);\n",
"r = TG__FNMA(k, TG__K(1.42860677e-06f), h);\n",
"c = TG__FNMA(k, TG__K(1.42860677e-06f), TG__SUB(h, r));\n",
"r = TG__ADD(r, TG__FMA(TG__MUL(r, r), TG__W(expq)(r), c));\n",
"n = TG__W(pow2)(TG__W(maxq)(TG__K(-126.0f), TG__SUB(TG__K(0.0f), k)));\n",
"return TG__W(copysign)(TG__W(scale)(TG__ADD(TG__SUB(TG__K(1.0f), n), r), k), x);\n",
"}\n",
"#line 935 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__INLINE TG__V TG__W(logsum)(TG__V f, TG__V k) {\n",
"TG__V z = TG__MUL(f, f), y;\n",
"y = TG__H8(f, -0.0763478652f, 0.127618358f, -0.131601915f, 0.142017215f, -0.166233525f, 0.200012282f,\n",
"-0.250008225f, 0.333333313f);\n",
"y = TG__FMA(TG__MUL(f, z), y, TG__MUL(k, TG__K(1.42860677e-06f)));\n",
"y = TG__FNMA(TG__K(0.5f), z, y);\n",
"return TG__FMA(k, TG__K(0.693145752f), TG__ADD(f, y));\n",
"}\n",
"TG__INLINE TG__V TG__W(log)(TG__V x) {\n",
"TG__M tiny = TG__W(lt)(x, TG__K(1.17549435e-38f));\n",
"TG__VI i = TG__W(bits)(TG__SEL(tiny, TG__MUL(x, TG__K(8388608.0f)), x)), base = TG__W(iset)(0x3f3504f3), n;\n",
"TG__V k, f;\n",
"i = TG__W(isub)(i, base);\n",
"n = TG__W(isar)(i, 23);\n",
"f = TG__SUB(TG__W(frombits)(TG__W(iadd)(TG__W(isub)(i, TG__W(ishl)(n, 23)), base)), TG__K(1.0f));\n",
"k = TG__ADD(TG__W(i2f)(n), TG__SEL(tiny, TG__K(-23.0f), TG__K(0.0f)));\n",
"return TG__W(logends)(x, TG__W(logsum)(f, k));\n",
"}\n",
"TG__INLINE TG__V TG__W(lognear)(TG__V x) {\n",
"const TG__VI base = TG__W(iset)(0x3f3504f3), i = TG__W(isub)(TG__W(bits)(x), base), n = TG__W(isar)(i, 23);\n",
"return TG__W(logsum)(TG__SUB(TG__W(frombits)(TG__W(isub)(TG__W(bits)(x), TG__W(ishl)(n, 23))), TG__K(1.0f)), TG__W(i2f)(n));\n",
"}\n",
"#line 961 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__PRIVATE TG__V TG__W(trighuge)(TG__V x, TG__V y, TG__M which, int what) {\n",
"float a[TG__VN_F32], b[TG__VN_F32], c[TG__VN_F32]; int i;\n",
"TG__W(store)(a, x); TG__W(store)(b, y); TG__W(store)(c, TG__SEL(which, TG__K(1.0f), TG__K(0.0f)));\n",
"for (i = 0; i < TG__VN_F32; i++) if (c[i] != 0) b[i] = (float)tg__trig_huge((double)a[i], what);\n",
"return TG__W(load)(b);\n",
"}\n",
"TG__INLINE TG__VI TG__W(quarter)(TG__V a, TG__V *sine, TG__V *cosine) {\n",
"TG__V t = TG__FMA(a, TG__K(0.636619747f), TG__K(12582912.0f)), k, r, z;\n",
"const TG__VI q = TG__W(bits)(t);\n",
"TG__BARRIER(t);\n",
"k = TG__SUB(t, TG__K(12582912.0f));\n",
"#if defined(TG__UNFUSED)\n",
"r = TG__WIDE2(quarters, a, k);\n",
"#else\n",
"r = TG__FNMA(k, TG__K(1.57079625f), a);\n",
"r = TG__FNMA(k, TG__K(7.5497894e-08f), r);\n",
"r = TG__FNMA(k, TG__K(5.39030253e-15f), r);\n",
"#endif\n",
"z = TG__MUL(r, r);\n",
"*sine = TG__FMA(TG__MUL(r, z), TG__H3(z, -0.000195056273f, 0.00833209604f, -0.166666538f), r);\n",
"*cosine = TG__FMA(TG__H4(z, 2.44282073e-05f, -0.00138872885f, 0.0416666456f, -0.5f), z, TG__K(1.0f));\n",
"return q;\n",
"}\n",
"TG__INLINE TG__V TG__W(trig)(TG__V x, int what) {\n",
"TG__V a = TG__W(abs)(x), r, s, c;\n",
"TG__VI q = TG__W(quarter)(a, &s, &c), one = TG__W(iset)(1);\n",
"TG__M big = TG__W(mnot)(TG__W(lt)(a, TG__K(1e5f)));\n",
"if (what) q = TG__W(iadd)(q, one);\n",
"r = TG__SEL(TG__W(ieq)(TG__W(iand)(q, one), one), c, s);\n",
"q = TG__W(ishl)(TG__W(ishr)(q, 1), 31);\n",
"if (!what) q = TG__W(ixor)(q, TG__W(signbit)(x));\n",
"r = TG__W(flip)(r, q);\n",
"if (TG__W(many)(big)) r = TG__W(trighuge)(x, r, big, what);\n",
"return r;\n",
"}\n",
"TG__INLINE TG__V TG__W(sin)(TG__V x) { return TG__W(trig)(x, 0); }\n",
"TG__INLINE TG__V TG__W(cos)(TG__V x) { return TG__W(trig)(x, 1); }\n",
"#line 999 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__INLINE void TG__W(sincos)(TG__V x, TG__V *sine, TG__V *cosine) {\n",
"TG__V s, c;\n",
"const TG__VI q = TG__W(quarter)(x, &s, &c), one = TG__W(iset)(1);\n",
"const TG__M odd = TG__W(ieq)(TG__W(iand)(q, one), one);\n",
"*sine = TG__W(flip)(TG__SEL(odd, c, s), TG__W(ishl)(TG__W(ishr)(q, 1), 31));\n",
"*cosine = TG__W(flip)(TG__SEL(odd, s, c), TG__W(ishl)(TG__W(ishr)(TG__W(iadd)(q, one), 1), 31));\n",
"}\n",
"TG__PRIVATE TG__V TG__W(tan)(TG__V x) {\n",
"TG__V a = TG__W(abs)(x), r = TG__W(flip)(TG__WIDE1(tanbrief, a), TG__W(signbit)(x));\n",
"TG__M big = TG__W(mnot)(TG__W(lt)(a, TG__K(1e5f)));\n",
"if (TG__W(many)(big)) r = TG__W(trighuge)(x, r, big, 2);\n",
"return r;\n",
"}\n",
"#line 1015 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__INLINE TG__V TG__W(piece6)(const float (*t)[8], TG__V d, TG__VI i) {\n",
"TG__V p = TG__FMA(TG__W(table8)(t[0], i), d, TG__W(table8)(t[1], i));\n",
"p = TG__FMA(p, d, TG__W(table8)(t[2], i));\n",
"p = TG__FMA(p, d, TG__W(table8)(t[3], i));\n",
"p = TG__FMA(p, d, TG__W(table8)(t[4], i));\n",
"p = TG__FMA(p, d, TG__W(table8)(t[5], i));\n",
"return TG__FMA(p, d, TG__W(table8)(t[6], i));\n",
"}\n",
"TG__INLINE TG__V TG__W(piece7)(const float (*t)[8], TG__V d, TG__VI i)\n",
"{ return TG__FMA(TG__W(piece6)(t, d, i), d, TG__W(table8)(t[7], i)); }\n",
"#line 1027 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__INLINE TG__V TG__W(tanh)(TG__V x) {\n",
"TG__V a = TG__W(minq)(TG__K(9.05f), TG__W(abs)(x)), b = TG__K(0.605f);\n",
"TG__VI i = TG__W(ishr)(TG__W(isub)(TG__W(bits)(TG__ADD(a, b)), TG__W(bits)(b)), 22);\n",
"a = TG__SUB(a, TG__W(table8)(tg__tanh_pieces[0], i));\n",
"return TG__W(copysign)(TG__W(piece6)(tg__tanh_pieces + 1, a, i), x);\n",
"}\n",
"TG__INLINE TG__V TG__W(expminus)(TG__V x) { return TG__W(exp)(TG__W(neg)(TG__W(abs)(x))); }\n",
"TG__INLINE TG__V TG__W(sigmoid)(TG__V x) {\n",
"TG__V e = TG__W(expfrom)(TG__W(minq)(TG__K(88.0f), x));\n",
"return TG__DIV(e, TG__ADD(TG__K(1.0f), e));\n",
"}\n",
"#line 1040 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__INLINE TG__V TG__W(log1pexp)(TG__V x) {\n",
"TG__V e = TG__W(expminus)(x);\n",
"TG__M up = TG__W(gt)(e, TG__K(0.41421354f));\n",
"return TG__W(logsum)(TG__SEL(up, TG__FMA(TG__K(0.5f), e, TG__K(-0.5f)), e),\n",
"TG__SEL(up, TG__K(1.0f), TG__K(0.0f)));\n",
"}\n",
"TG__INLINE TG__V TG__W(softplus)(TG__V x)   { return TG__ADD(TG__W(maxq)(TG__K(0.0f), x), TG__W(log1pexp)(x)); }\n",
"TG__INLINE TG__V TG__W(logsigmoid)(TG__V x) { return TG__SUB(TG__W(minq)(TG__K(0.0f), x), TG__W(log1pexp)(x)); }\n",
"TG__INLINE TG__V TG__W(rsqrt)(TG__V x)      { return TG__DIV(TG__K(1.0f), TG__W(sqrt)(x)); }\n",
"#line 1052 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__INLINE TG__V TG__W(erf)(TG__V x) {\n",
"TG__V a = TG__W(abs)(x), z = TG__MUL(a, a), b = TG__W(minq)(TG__K(4.0f), a), p, g, k;\n",
"p = TG__H6(z, -0.000602079963f, 0.00499895914f, -0.026770493f, 0.112819217f, -0.376125038f, 0.128379151f);\n",
"p = TG__FMA(a, p, a);\n",
"g = TG__H7(b, 0.00019821625f, -0.0030654599f, 0.0223151017f, -0.104113467f, -0.636976302f, -1.12779713f,\n",
"-0.000166472688f);\n",
"g = TG__W(expreduce)(g, &k);\n",
"g = TG__FNMA(TG__W(pow2)(k), TG__ADD(TG__K(1.0f), g), TG__K(1.0f));\n",
"return TG__W(copysign)(TG__SEL(TG__W(lt)(a, TG__K(0.9f)), p, g), x);\n",
"}\n",
"#line 1065 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__INLINE TG__VI TG__W(millspiece)(TG__V u)\n",
"{ return TG__W(ishr)(TG__W(isub)(TG__W(bits)(u), TG__W(iset)(0x3f800000)), 22); }\n",
"TG__INLINE TG__V TG__W(mills)(TG__V d, TG__VI i)\n",
"{ return TG__FMA(TG__W(piece7)(tg__mills + 1, d, i), d, TG__W(table8)(tg__mills[9], i)); }\n",
"#line 1070 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__INLINE TG__V TG__W(tail)(TG__V y, TG__V yl, TG__V g, TG__V shift) {\n",
"TG__V t = TG__FMA(y, TG__K(1.44269502f), TG__K(12582912.0f)), k, h, r, c, z, q;\n",
"TG__BARRIER(t);\n",
"k = TG__SUB(t, TG__K(12582912.0f));\n",
"h = TG__FNMA(k, TG__K(0.693145752f), y);\n",
"r = TG__FNMA(k, TG__K(1.42860677e-06f), h);\n",
"c = TG__ADD(TG__FNMA(k, TG__K(1.42860677e-06f), TG__SUB(h, r)), yl);\n",
"z = TG__MUL(r, r); q = TG__W(expq)(r);\n",
"c = TG__FMA(c, TG__FMA(z, q, r), c);\n",
"r = TG__ADD(r, TG__FMA(z, q, c));\n",
"return TG__W(scale)(TG__FMA(g, r, g), TG__ADD(k, shift));\n",
"}\n",
"TG__INLINE TG__V TG__W(ndtrtail)(TG__V a) {\n",
"TG__V h, m = TG__K(-0.5f), r;\n",
"TG__VI i;\n",
"a = TG__W(minq)(TG__K(14.6f), a);\n",
"h = TG__MUL(a, a);\n",
"i = TG__W(millspiece)(TG__ADD(a, TG__K(1.0f)));\n",
"r = TG__W(mills)(TG__SUB(a, TG__W(table8)(tg__mills[0], i)), i);\n",
"return TG__W(tail)(TG__MUL(h, m), TG__MUL(TG__W(mullo)(a, a, h), m), r, TG__K(0.0f));\n",
"}\n",
"#line 1092 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__INLINE TG__V TG__W(ndtr)(TG__V x) {\n",
"TG__V a = TG__W(abs)(x), t = TG__FMA(a, TG__K(1.76847403f), TG__K(12582912.0f)), d, r;\n",
"TG__M beyond = TG__W(gt)(a, TG__K(4.24f));\n",
"TG__BARRIER(t);\n",
"d = TG__FNMA(TG__SUB(t, TG__K(12582912.0f)), TG__K(0.565459251f), a);\n",
"r = TG__W(piece7)(tg__ndtr_pieces, d, TG__W(bits)(t));\n",
"if (TG__W(many)(beyond)) r = TG__SEL(beyond, TG__W(ndtrtail)(a), r);\n",
"return TG__SEL(TG__W(gt)(x, TG__K(0.0f)), TG__SUB(TG__K(1.0f), r), r);\n",
"}\n",
"TG__INLINE TG__V TG__W(sumerr)(TG__V a, TG__V b, TG__V s) {\n",
"TG__V t = TG__SUB(s, a);\n",
"return TG__ADD(TG__SUB(a, TG__SUB(s, t)), TG__SUB(b, t));\n",
"}\n",
"#line 1107 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__INLINE TG__V TG__W(gelutanh)(TG__V x) {\n",
"TG__V a = TG__W(minq)(TG__K(12.0f), TG__W(abs)(x)), z = TG__MUL(a, a),\n",
"p = TG__MUL(z, TG__K(0.0713548139f)), t = TG__ADD(p, TG__K(1.59576917f)), u = TG__MUL(a, t), e;\n",
"TG__V pl = TG__FMA(TG__W(mullo)(a, a, z), TG__K(0.0713548139f),\n",
"TG__FMA(z, TG__K(2.39883247e-09f), TG__W(mullo)(z, TG__K(0.0713548139f), p)));\n",
"TG__V tl = TG__ADD(TG__W(sumerr)(p, TG__K(1.59576917f), t), TG__ADD(pl, TG__K(-4.53406805e-08f)));\n",
"e = TG__W(tail)(TG__W(neg)(u), TG__W(neg)(TG__FMA(a, tl, TG__W(mullo)(a, t, u))), TG__K(1.0f), TG__K(0.0f));\n",
"return TG__MUL(x, TG__DIV(TG__SEL(TG__W(lt)(x, TG__K(0.0f)), e, TG__K(1.0f)), TG__ADD(TG__K(1.0f), e)));\n",
"}\n",
"#line 1117 \"tensorgrad.h, from the line '#define TG__ADD(a, b)' on\"\n",
"TG__INLINE TG__V TG__W(erfc)(TG__V x) {\n",
"TG__V a = TG__W(minq)(TG__K(10.3f), TG__W(abs)(x)), h = TG__MUL(a, a), d, r;\n",
"TG__VI i = TG__W(millspiece)(TG__FMA(a, TG__K(1.41421354f), TG__K(1.0f)));\n",
"#if defined(TG__UNFUSED)\n",
"d = TG__WIDE2(fromcentre, a, TG__W(table8)(tg__mills[0], i));\n",
"#else\n",
"d = TG__FMA(a, TG__K(1.41421354f), TG__W(neg)(TG__W(table8)(tg__mills[0], i)));\n",
"d = TG__FMA(a, TG__K(2.42032345e-08f), d);\n",
"#endif\n",
"r = TG__W(mills)(d, i);\n",
"r = TG__W(tail)(TG__W(neg)(h), TG__W(neg)(TG__W(mullo)(a, a, h)), r, TG__K(1.0f));\n",
"return TG__SEL(TG__W(lt)(x, TG__K(0.0f)), TG__SUB(TG__K(2.0f), r), r);\n",
"}\n",
"#undef TG__WIDE1\n",
"#undef TG__WIDE2\n",
"#undef TG__D\n",
"#undef TG__POWENDS\n",
"#undef TG__T\n",
"#undef TG__V\n",
"#undef TG__M\n",
"#undef TG__VI\n",
"#undef TG__W\n",
"#undef TG__INF\n",
"#undef TG__NAN\n",
"#undef TG__ADD\n",
"#undef TG__SUB\n",
"#undef TG__MUL\n",
"#undef TG__DIV\n",
"#undef TG__FMA\n",
"#undef TG__FNMA\n",
"#undef TG__SEL\n",
"#undef TG__K\n",
"#undef TG__H2\n",
"#undef TG__H3\n",
"#undef TG__H4\n",
"#undef TG__H5\n",
"#undef TG__H6\n",
"#undef TG__H7\n",
"#undef TG__H8\n",
"#line 3 \"tensorgrad.h, from the line '/* Words made of words, the same for both types' on\"\n",
"#define TG__MAP_WORDS(T, V, M, W) \\\n",
"TG__INLINE V W(remainder)(V a, V b) { \\\n",
"V r = W(fmod)(a, b), zero = W(set)(0); \\\n",
"M other = W(mand)(W(ne)(r, zero), W(mxor)(W(lt)(r, zero), W(lt)(b, zero))); \\\n",
"return W(select)(other, W(add)(r, b), r); \\\n",
"} \\\n",
"TG__INLINE V W(floordiv)(V a, V b) { \\\n",
"V r = W(fmod)(a, b), zero = W(set)(0), one = W(set)(1), q = W(div)(W(sub)(a, r), b), f; \\\n",
"M other = W(mand)(W(ne)(r, zero), W(mxor)(W(lt)(r, zero), W(lt)(b, zero))); \\\n",
"q = W(select)(other, W(sub)(q, one), q); \\\n",
"f = W(floor)(q); \\\n",
"f = W(select)(W(gt)(W(sub)(q, f), W(set)((T)0.5)), W(add)(f, one), f); \\\n",
"f = W(select)(W(eq)(q, zero), W(copysign)(zero, W(div)(a, b)), f); \\\n",
"return W(select)(W(eq)(b, zero), W(div)(a, b), f); \\\n",
"} \\\n",
"TG__INLINE V W(hypot)(V a, V b) { \\\n",
"V x = W(abs)(a), y = W(abs)(b), zero = W(set)(0), one = W(set)(1), \\\n",
"m = W(select)(W(lt)(x, y), y, x), n = W(select)(W(lt)(x, y), x, y), \\\n",
"r = W(div)(n, W(select)(W(eq)(m, zero), one, m)); \\\n",
"r = W(mul)(m, W(sqrt)(W(fma)(r, r, one))); \\\n",
"return W(select)(W(isinf)(x), x, W(select)(W(isinf)(y), y, r)); \\\n",
"} \\\n",
"TG__INLINE V W(sign)(V a) { \\\n",
"V zero = W(set)(0); \\\n",
"return W(select)(W(gt)(a, zero), W(set)(1), \\\n",
"W(select)(W(lt)(a, zero), W(set)(-1), zero)); \\\n",
"}\n",
"#define TG__W32(word) TG__FN(tg__w_##word##_f32)\n",
"#define TG__W64(word) TG__FN(tg__w_##word##_f64)\n",
"TG__MAP_WORDS(double, TG__FN(tg__vf64), TG__FN(tg__mf64), TG__W64)\n",
"TG__MAP_WORDS(float, TG__FN(tg__vf32), TG__FN(tg__mf32), TG__W32)\n",
"#line 1 \"tensorgrad.h, from the line 'TG__PRIVATE int64_t tg__int_of' on\"\n",
"TG__PRIVATE int64_t tg__int_of(double v) {\n",
"return v >= -9223372036854775808.0 && v < 9223372036854775808.0 ? (int64_t)v : INT64_MIN;\n",
"}\n",
"TG__PRIVATE int64_t tg__int_short(double v) { return v > -2147483649.0 && v < 2147483648.0 ? (int64_t)v : -2147483647 - 1; }\n",
"#line 1 \"tensorgrad.h, from the line 'enum { TG_RNN_TANH' on\"\n",
"enum { TG_RNN_TANH, TG_RNN_RELU, TG_RNN_LSTM, TG_RNN_GRU };\n",
"#line 1 \"tensorgrad.h, from the line 'enum { TG_STEP_SGD' on\"\n",
"enum { TG_STEP_SGD, TG_STEP_ADAM, TG_STEP_RMSPROP, TG_STEP_ADAGRAD, TG_STEP_ADADELTA, TG_STEP_ADAMAX, TG_STEP_ASGD,\n",
"TG_STEP_RPROP, TG_STEP_LION,\n",
"TG_STEP_MUON, TG_STEP_CLIP, TG_STEP_NORM };\n",
"enum { TG_DECAY_NONE, TG_DECAY_GRADIENT, TG_DECAY_PARAMETER };\n",
"#line 1 \"tensorgrad.h, from the line 'typedef struct tg__rnn_run {' on\"\n",
"typedef struct tg__rnn_run {\n",
"int64_t n, width;\n",
"bool keep;\n",
"char *p[8];\n",
"} tg__rnn_run;\n",
"#line 1 \"tensorgrad.h, from the line 'typedef struct tg__optim_run {' on\"\n",
"typedef struct tg__optim_run {\n",
"int64_t n;\n",
"int kind;\n",
"const double *number;\n",
"const int64_t *whole;\n",
"void *p, *s[3];\n",
"const void *g;\n",
"} tg__optim_run;\n",
"#line 1 \"tensorgrad.h, from the line '#define TG__WRAP(u)' on\"\n",
"#define TG__WRAP(u) ((int64_t)(u))\n",
"#line 3 \"tensorgrad.h, from the line '#define TG__WRAP(u)' on\"\n",
"TG__PRIVATE int64_t tg__int_pow(int64_t a, int64_t b) {\n",
"uint64_t r = 1, f = (uint64_t)a;\n",
"if (b < 0) return a == 1 ? 1 : a == -1 ? ((b & 1) ? -1 : 1) : 0;\n",
"for (; b; b >>= 1) { if (b & 1) r *= f; f *= f; }\n",
"return (int64_t)r;\n",
"}\n",
"TG__PRIVATE int64_t tg__int_clamp(int64_t x, const double *p) {\n",
"if (x < tg__int_of(p[0])) x = tg__int_of(p[0]);\n",
"return p[1] < 9223372036854775808.0 && x > tg__int_of(p[1]) ? tg__int_of(p[1]) : x;\n",
"}\n",
"#line 14 \"tensorgrad.h, from the line '#define TG__WRAP(u)' on\"\n",
"TG__PRIVATE int64_t tg__int_mod(int64_t a, int64_t b) { return b == 0 || b == -1 ? 0 : a % b; }\n",
"TG__PRIVATE int64_t tg__int_remainder(int64_t a, int64_t b) {\n",
"int64_t r = tg__int_mod(a, b);\n",
"return r != 0 && (r < 0) != (b < 0) ? r + b : r;\n",
"}\n",
"TG__PRIVATE int64_t tg__int_gcd(int64_t a, int64_t b) {\n",
"uint64_t u = a < 0 ? (uint64_t)0 - (uint64_t)a : (uint64_t)a, v = b < 0 ? (uint64_t)0 - (uint64_t)b : (uint64_t)b;\n",
"while (v) { const uint64_t r = u % v; u = v; v = r; }\n",
"return (int64_t)u;\n",
"}\n",
"TG__PRIVATE int64_t tg__int_lcm(int64_t a, int64_t b) {\n",
"const uint64_t g = (uint64_t)tg__int_gcd(a, b), u = a < 0 ? (uint64_t)0 - (uint64_t)a : (uint64_t)a,\n",
"v = b < 0 ? (uint64_t)0 - (uint64_t)b : (uint64_t)b;\n",
"return g ? (int64_t)(u / g * v) : 0;\n",
"}\n",
"TG__PRIVATE int64_t tg__int_floor_divide(int64_t a, int64_t b) {\n",
"if (b == 0) return 0;\n",
"if (b == -1) return (int64_t)((uint64_t)0 - (uint64_t)a);\n",
"return a / b - (a % b != 0 && (a < 0) != (b < 0));\n",
"}\n",
"#line 202 \"tensorgrad_cuda.h\"\n",
"enum { TG__CU_CODE = 2 };\n",
"typedef struct tg__cu_view {\n",
"char   *p;\n",
"int64_t stride[8];\n",
"int64_t size[8];\n",
"int64_t step, count;\n",
"double  f;\n",
"int64_t i;\n",
"int32_t dtype, number;\n",
"} tg__cu_view;\n",
"typedef struct tg__cu_walk {\n",
"int64_t   n, shape[8], whole[12];\n",
"double    numbers[10];\n",
"uint32_t *flag;\n",
"char     *work;\n",
"int64_t   piece, pieces, length;\n",
"#line 219 \"tensorgrad_cuda.h\"\n",
"int32_t   within, lanes;\n",
"int32_t   ndim, small, kind, part, look;\n",
"int32_t   wide;\n",
"tg__cu_view o[10];\n",
"} tg__cu_walk;\n",
"typedef struct tg__cu_boxed {\n",
"double  start[2], bin[2], share;\n",
"#line 227 \"tensorgrad_cuda.h\"\n",
"int64_t points[2], low[2], high[2];\n",
"int64_t picture;\n",
"} tg__cu_boxed;\n",
"enum { TG__CU_BOX_CHANNELS = 8 };\n",
"typedef struct tg__cu_reduce {\n",
"int64_t outs, length, piece, pieces;\n",
"double  scale;\n",
"char   *x, *y;\n",
"int64_t *places;\n",
"char   *partial;\n",
"int64_t kept[8], ky[8], kx[8], kp[8], run[8], rx[8];\n",
"int32_t kept_dims, run_dims, xd, yd;\n",
"} tg__cu_reduce;\n",
"typedef struct tg__cu_rows {\n",
"int64_t rows, length, xs, ys, shape[8], kx[8], ky[8];\n",
"char   *x, *y, *row, *classes, *g;\n",
"int64_t cs, gs;\n",
"int64_t per, chunks;\n",
"char   *mean;\n",
"uint32_t *flag;\n",
"int32_t ndim, kind, xd, yd, cd, md, look;\n",
"} tg__cu_rows;\n",
"typedef struct tg__cu_index {\n",
"int64_t n, k, shape[8], sy[8], sx[8], si[8];\n",
"int64_t ky, kx, ki, yv, xv, limit;\n",
"int64_t buckets;\n",
"char   *y, *x;\n",
"int64_t *index;\n",
"uint32_t *flag;\n",
"int32_t ndim, kind, dtype, size, look;\n",
"} tg__cu_index;\n",
"typedef struct tg__cu_gemm {\n",
"int64_t m, n, k, batch, shape[8], ba[8], bb[8], bc[8], bbias[8];\n",
"int64_t a_rs, a_cs, b_rs, b_cs, c_rs, c_cs, bias_rs, bias_cs;\n",
"int64_t block, blocks;\n",
"char   *a, *b, *c, *bias, *partial;\n",
"int32_t ndim, ta, tb, tc, accumulate, columns;\n",
"} tg__cu_gemm;\n",
"#line 267 \"tensorgrad_cuda.h\"\n",
"typedef struct tg__cu_conv {\n",
"int64_t m, n, k, groups, block, blocks;\n",
"int64_t m_size[4], k_size[4];\n",
"int64_t m_step, k_step, in_step[3], in_group;\n",
"int64_t f_n, f_k[4], f_group;\n",
"int64_t y_n, y_m[4], y_group;\n",
"int64_t bias_step;\n",
"char   *in, *filter, *y, *bias, *partial;\n",
"int32_t m_scale[3], k_scale[3], shift[3], divide[3], size[3];\n",
"int32_t dtype;\n",
"} tg__cu_conv;\n",
"typedef struct tg__cu_optim {\n",
"int64_t n, shape[8], row;\n",
"int64_t whole[12];\n",
"double  number[10];\n",
"int64_t *rows;\n",
"double *partial;\n",
"int32_t ndim, small, kind;\n",
"tg__cu_view o[6];\n",
"} tg__cu_optim;\n",
"#line 288 \"tensorgrad_cuda.h\"\n",
"enum { TG__CU_STEPS = 56, TG__CU_STEP_PIECE = 16384 };\n",
"typedef struct tg__cu_stepped { int64_t n; char *p[6]; int32_t blocks, wide; } tg__cu_stepped;\n",
"typedef struct tg__cu_steps {\n",
"int64_t whole[12];\n",
"double  number[10];\n",
"int32_t kind, count, dtype[6];\n",
"tg__cu_stepped each[TG__CU_STEPS];\n",
"} tg__cu_steps;\n",
"enum { TG__CU_ONE_KEYS = 256, TG__CU_WIDE_HEAD = 256 };\n",
NULL };
static const char *const tg__cu_kernels[] = {
"#line 3085 \"tensorgrad_cuda.h\"\n",
"#undef TG__T\n",
"#undef TG__V\n",
"#undef TG__M\n",
"#undef TG__VI\n",
"#undef TG__W\n",
"#undef TG__CU\n",
"#undef TG__CU_FROM\n",
"#undef TG__FT\n",
"#undef TG__TYPE_F32\n",
"#define TG__FT(name) TG__FN(TG__CU(name))\n",
"#if TG__CU_TYPE == 32\n",
"#define TG__T float\n",
"#define TG__TYPE_F32\n",
"#define TG__V TG__FN(tg__vf32)\n",
"#define TG__M TG__FN(tg__mf32)\n",
"#define TG__VI TG__FN(tg__vi32)\n",
"#define TG__W(word) TG__FN(tg__w_##word##_f32)\n",
"#define TG__CU(name) name##_f32\n",
"#define TG__CU_FROM(v) ((float)(v))\n",
"#elif TG__CU_TYPE == 64\n",
"#define TG__T double\n",
"#define TG__V TG__FN(tg__vf64)\n",
"#define TG__M TG__FN(tg__mf64)\n",
"#define TG__VI TG__FN(tg__vi64)\n",
"#define TG__W(word) TG__FN(tg__w_##word##_f64)\n",
"#define TG__CU(name) name##_f64\n",
"#define TG__CU_FROM(v) ((double)(v))\n",
"#else\n",
"#define TG__T int64_t\n",
"#define TG__V int64_t\n",
"#define TG__M int\n",
"#define TG__CU(name) name##_i64\n",
"#define TG__CU_FROM(v) tg__int_of((double)(v))\n",
"#endif\n",
"#line 3121 \"tensorgrad_cuda.h\"\n",
"TG__INLINE TG__T TG__CU(tg__cu_get)(int dtype, const char *p, int64_t i) {\n",
"switch (dtype) {\n",
"case 0: return TG__CU_FROM(((const float *)p)[i]);\n",
"case 1: return TG__CU_FROM(((const double *)p)[i]);\n",
"case 2: return TG__CU_FROM(tg__from_half(((const uint16_t *)p)[i]));\n",
"case 3: return TG__CU_FROM(tg__float((uint32_t)((const uint16_t *)p)[i] << 16));\n",
"case 4: return (TG__T)((const int64_t *)p)[i];\n",
"case 5: return (TG__T)((const int32_t *)p)[i];\n",
"case 6: return (TG__T)((const int16_t *)p)[i];\n",
"case 7: return (TG__T)((const int8_t *)p)[i];\n",
"case 8: return (TG__T)((const uint8_t *)p)[i];\n",
"default: return (TG__T)(((const uint8_t *)p)[i] != 0);\n",
"}\n",
"}\n",
"TG__INLINE void TG__CU(tg__cu_put)(int dtype, char *p, int64_t i, TG__T v) {\n",
"#if TG__CU_TYPE == 0\n",
"const uint64_t w = (uint64_t)v;\n",
"#else\n",
"const uint64_t w = dtype > 3 && dtype < 9 ? (uint64_t)(dtype == 4 || dtype == 8 ? tg__int_of((double)v) : tg__int_short((double)v)) : 0;\n",
"#endif\n",
"switch (dtype) {\n",
"case 0: ((float *)p)[i] = (float)v; break;\n",
"case 1: ((double *)p)[i] = (double)v; break;\n",
"case 2: ((uint16_t *)p)[i] = tg__to_half((float)v); break;\n",
"case 3: ((uint16_t *)p)[i] = tg__to_bf16((float)v); break;\n",
"case 4: ((uint64_t *)p)[i] = w; break;\n",
"case 5: ((uint32_t *)p)[i] = (uint32_t)w; break;\n",
"case 6: ((uint16_t *)p)[i] = (uint16_t)w; break;\n",
"case 7: case 8: ((uint8_t *)p)[i] = (uint8_t)w; break;\n",
"default: ((uint8_t *)p)[i] = (uint8_t)!(v == 0); break;\n",
"}\n",
"}\n",
"#line 3155 \"tensorgrad_cuda.h\"\n",
"#if (!defined(TG__CU_ONLY) || defined(TG__CU_ONLY_COPY) || defined(TG__CU_ONLY_GEMM)) && TG__CU_TYPE == 32\n",
"#line 1 \"tensorgrad.h, from the line 'typedef enum tg_dtype {' on\"\n",
"typedef enum tg_dtype {\n",
"TG_F32 = 0, TG_F64, TG_F16, TG_BF16, TG_I64, TG_I32, TG_I16, TG_I8, TG_U8, TG_BOOL, TG_DTYPES,\n",
"#line 6 \"tensorgrad.h, from the line 'typedef enum tg_dtype {' on\"\n",
"TG_Q8_0 = 16,\n",
"TG_Q4_0\n",
"} tg_dtype;\n",
"#line 1 \"tensorgrad.h, from the line '#define TG__BLOCK ' on\"\n",
"#define TG__BLOCK 32\n",
"#line 4 \"tensorgrad.h, from the line '/* ---- quantised blocks: device' on\"\n",
"TG__PRIVATE float tg__block_largest(const float *x) {\n",
"float most = 0;\n",
"int i;\n",
"for (i = 0; i < TG__BLOCK; i++) if ((x[i] < 0 ? -x[i] : x[i]) > (most < 0 ? -most : most)) most = x[i];\n",
"return most;\n",
"}\n",
"#line 11 \"tensorgrad.h, from the line '/* ---- quantised blocks: device' on\"\n",
"TG__PRIVATE int tg__block_round(float v, int low, int high) {\n",
"int n;\n",
"float r;\n",
"if (!(v > (float)low - 1 && v < (float)high + 1)) return v >= (float)high ? high : v <= (float)low ? low : 0;\n",
"n = (int)v;\n",
"r = v - (float)n;\n",
"if (r > 0.5f || (r == 0.5f && (n & 1))) n++;\n",
"if (r < -0.5f || (r == -0.5f && (n & 1))) n--;\n",
"return n < low ? low : n > high ? high : n;\n",
"}\n",
"TG__PRIVATE void tg__block_pack(tg_dtype d, unsigned char *y, const float *x) {\n",
"const float most = tg__block_largest(x), scale = d == TG_Q8_0 ? (most < 0 ? -most : most) / 127 : most / -8,\n",
"inverse = scale != 0 ? 1 / scale : 0;\n",
"const uint16_t half = tg__to_half(scale);\n",
"int i;\n",
"y[0] = (unsigned char)(half & 255); y[1] = (unsigned char)(half >> 8);\n",
"for (i = 0; i < TG__BLOCK; i++) {\n",
"if (d == TG_Q8_0) y[2 + i] = (unsigned char)(signed char)tg__block_round(x[i] * inverse, -127, 127);\n",
"else if (i < 16) y[2 + i] = (unsigned char)(tg__block_round(x[i] * inverse, -8, 7) + 8);\n",
"else y[2 + i - 16] = (unsigned char)(y[2 + i - 16] | (tg__block_round(x[i] * inverse, -8, 7) + 8) << 4);\n",
"}\n",
"}\n",
"#line 34 \"tensorgrad.h, from the line '/* ---- quantised blocks: device' on\"\n",
"TG__INLINE int tg__block_whole(tg_dtype d, const unsigned char *x, int i) {\n",
"return d == TG_Q8_0 ? (int)(signed char)x[2 + i] : (i < 16 ? x[2 + i] & 15 : x[2 + i - 16] >> 4) - 8;\n",
"}\n",
"#line 3157 \"tensorgrad_cuda.h\"\n",
"TG__INLINE float tg__cu_get_block(int code, const char *p, int64_t i) {\n",
"const tg_dtype d = (tg_dtype)(code + TG__CU_CODE);\n",
"const uint8_t *const b = (const uint8_t *)p + i / TG__BLOCK * (d == TG_Q8_0 ? 34 : 18);\n",
"return tg__from_half((uint16_t)(b[0] | b[1] << 8)) * (float)tg__block_whole(d, b, (int)(i % TG__BLOCK));\n",
"}\n",
"#endif\n",
"#line 3164 \"tensorgrad_cuda.h\"\n",
"#ifndef TG__CU_ANY\n",
"#define TG__CU_ANY\n",
"TG__INLINE void tg__cu_move(int size, char *y, int64_t to, const char *x, int64_t from) {\n",
"switch (size) {\n",
"case 8: ((uint64_t *)y)[to] = ((const uint64_t *)x)[from]; break;\n",
"case 4: ((uint32_t *)y)[to] = ((const uint32_t *)x)[from]; break;\n",
"case 2: ((uint16_t *)y)[to] = ((const uint16_t *)x)[from]; break;\n",
"default: ((uint8_t *)y)[to] = ((const uint8_t *)x)[from]; break;\n",
"}\n",
"}\n",
"#line 3175 \"tensorgrad_cuda.h\"\n",
"typedef struct TG__CU_ALIGNED tg__cu_eight { uint64_t w[8]; } tg__cu_eight;\n",
"TG__INLINE int tg__cu_size(int dtype) {\n",
"return dtype == 1 || dtype == 4 ? 8 : dtype == 0 || dtype == 5 ? 4 : dtype == 2 || dtype == 3 || dtype == 6 ? 2 : 1;\n",
"}\n",
"TG__INLINE void tg__cu_eight_in(int dtype, const char *from, int64_t step, int64_t at, tg__cu_eight *to) {\n",
"const int size = tg__cu_size(dtype);\n",
"const char *const p = from + at * size;\n",
"if (!step) { TG__CU_UNROLL for (int e = 0; e < 8; e++) tg__cu_move(size, (char *)to, e, p, 0); }\n",
"else if (size == 1) { TG__CU_MOVE_8(to, p); }\n",
"else { TG__CU_UNROLL for (int e = 0; e < size / 2; e++) { TG__CU_MOVE_16((char *)to + 16 * e, p + 16 * e); } }\n",
"}\n",
"TG__INLINE void tg__cu_eight_out(int dtype, char *y, int64_t at, const tg__cu_eight *from) {\n",
"const int size = tg__cu_size(dtype);\n",
"char *const p = y + at * size;\n",
"if (size == 1) { TG__CU_MOVE_8(p, from); }\n",
"else { TG__CU_UNROLL for (int e = 0; e < size / 2; e++) { TG__CU_MOVE_16(p + 16 * e, (const char *)from + 16 * e); } }\n",
"}\n",
"#line 3193 \"tensorgrad_cuda.h\"\n",
"TG__INLINE int64_t tg__cu_offset(int ndim, const int64_t *shape, const int64_t *stride, int64_t i) {\n",
"int64_t at = 0;\n",
"int d;\n",
"TG__CU_ROLL for (d = ndim - 1; d > 0; d--) { const int64_t q = i / shape[d]; at += (i - q * shape[d]) * stride[d]; i = q; }\n",
"return at + i * stride[0];\n",
"}\n",
"TG__INLINE double tg__cu_any(int dtype, const char *p, int64_t i) {\n",
"switch (dtype) {\n",
"case 0: return ((const float *)p)[i];\n",
"case 1: return ((const double *)p)[i];\n",
"case 2: return tg__from_half(((const uint16_t *)p)[i]);\n",
"case 3: return tg__float((uint32_t)((const uint16_t *)p)[i] << 16);\n",
"case 4: return (double)((const int64_t *)p)[i];\n",
"case 5: return ((const int32_t *)p)[i];\n",
"case 6: return ((const int16_t *)p)[i];\n",
"case 7: return ((const int8_t *)p)[i];\n",
"default: return ((const uint8_t *)p)[i];\n",
"}\n",
"}\n",
"#endif\n",
"#line 3216 \"tensorgrad_cuda.h\"\n",
"#ifndef TG__CU_PLACES\n",
"#define TG__CU_PLACES(count) \\\n",
"int64_t at[count]; \\\n",
"{ \\\n",
"int64_t rest = i; \\\n",
"int k, d; \\\n",
"TG__CU_UNROLL for (k = 0; k < (count); k++) at[k] = 0; \\\n",
"TG__CU_ROLL for (d = r->ndim - 1; d > 0; d--) { \\\n",
"const int64_t q = r->small ? (int64_t)((uint32_t)rest / (uint32_t)r->shape[d]) : rest / r->shape[d], left = rest - q * r->shape[d]; \\\n",
"TG__CU_UNROLL for (k = 0; k < (count); k++) at[k] += left * r->o[k].stride[d]; \\\n",
"rest = q; \\\n",
"} \\\n",
"TG__CU_UNROLL for (k = 0; k < (count); k++) at[k] += rest * r->o[k].stride[0]; \\\n",
"}\n",
"#define TG__CU_UP_TO(i, count) for (int64_t i = block * TG__CU_WIDTH + t; i < (count); i += blocks * TG__CU_WIDTH)\n",
"#define TG__CU_EACH(i) TG__CU_UP_TO(i, r->n)\n",
"#line 3233 \"tensorgrad_cuda.h\"\n",
"#ifdef TG__CU_DTYPES\n",
"#define TG__CU_DTYPE(k, asked) ((int)((uint64_t)(TG__CU_DTYPES) >> (4 * (k)) & 15))\n",
"#else\n",
"#define TG__CU_DTYPE(k, asked) (asked)\n",
"#endif\n",
"#define TG__CU_D(k) TG__CU_DTYPE(k, r->o[k].dtype)\n",
"#line 3240 \"tensorgrad_cuda.h\"\n",
"#define TG__CU_POSITION                                                \\\n",
"int64_t p[5]; \\\n",
"{ int64_t rest = i; for (int d = 4; d > 0; d--) { p[d] = rest % r->shape[d]; rest /= r->shape[d]; } p[0] = rest; }\n",
"#define TG__CU_TO(k) (p[0] * r->o[k].stride[0] + p[1] * r->o[k].stride[1] + p[2] * r->o[k].stride[2] + p[3] * r->o[k].stride[3] + p[4] * r->o[k].stride[4])\n",
"#line 3246 \"tensorgrad_cuda.h\"\n",
"#define TG__CU_NUMBER(k) (r->o[k].number == 2 ? (TG__T)r->o[k].i : TG__CU_FROM(r->o[k].f))\n",
"#define TG__CU_READ(k, q) const TG__V q = r->o[k].number ? TG__CU_NUMBER(k) : TG__CU(tg__cu_get)(TG__CU_D(k), from[k], index[k]); (void)q;\n",
"#define TG__CU_EIGHTS(i) for (int64_t i = (block * TG__CU_WIDTH + t) * 8; i + 8 <= r->n; i += blocks * TG__CU_WIDTH * 8)\n",
"#define TG__CU_LEFT(i) for (int64_t i = (r->wide ? r->n / 8 * 8 : 0) + block * TG__CU_WIDTH + t; i < r->n; i += blocks * TG__CU_WIDTH)\n",
"#define TG__CU_MAP(name, count, reads, check, value) \\\n",
"TG__CU_KERNEL(name, tg__cu_walk, { const double *const p = r->numbers; (void)p; \\\n",
"TG__CU_THREADS(t) { \\\n",
"const char *from[count]; \\\n",
"if (r->wide) TG__CU_EIGHTS(i) { \\\n",
"tg__cu_eight eight[count]; \\\n",
"TG__CU_PLACES(count) \\\n",
"TG__CU_UNROLL for (int k = 1; k < (count); k++) if (r->o[k].p) tg__cu_eight_in(TG__CU_D(k), r->o[k].p, r->o[k].step, at[k], &eight[k]); \\\n",
"TG__CU_UNROLL for (int e = 0; e < 8; e++) { \\\n",
"int64_t index[count]; \\\n",
"TG__CU_UNROLL for (int k = 0; k < (count); k++) { from[k] = (const char *)&eight[k]; index[k] = e; } \\\n",
"reads TG__CU(tg__cu_put)(TG__CU_D(0), (char *)&eight[0], index[0], value); \\\n",
"} \\\n",
"tg__cu_eight_out(TG__CU_D(0), r->o[0].p, at[0], &eight[0]); \\\n",
"} \\\n",
"TG__CU_LEFT(i) { \\\n",
"TG__CU_PLACES(count) const int64_t *const index = at; \\\n",
"TG__CU_UNROLL for (int k = 0; k < (count); k++) from[k] = r->o[k].p; \\\n",
"reads check TG__CU(tg__cu_put)(TG__CU_D(0), r->o[0].p, at[0], value); \\\n",
"} } })\n",
"#define TG__CU_VALUE1(name, v)   TG__CU_MAP(name, 2, TG__CU_READ(1, x), , v)\n",
"#define TG__CU_VALUE2(name, v)   TG__CU_MAP(name, 3, TG__CU_READ(1, a) TG__CU_READ(2, b), , v)\n",
"#define TG__CU_VALUE3(name, v)   TG__CU_MAP(name, 4, TG__CU_READ(1, a) TG__CU_READ(2, b) TG__CU_READ(3, c), , v)\n",
"#define TG__CU_DIVIDE2(name, v)  TG__CU_MAP(name, 3, TG__CU_READ(1, a) TG__CU_READ(2, b), if (b == 0) TG__CU_FLAG(r->flag, 1u); if (r->look) continue;, v)\n",
"#define TG__CU_DERIVE1(name, v)  TG__CU_MAP(name, 4, TG__CU_READ(1, g) TG__CU_READ(2, x) TG__CU_READ(3, y), , v)\n",
"#define TG__CU_DERIVE2(name, v)  TG__CU_MAP(name, 5, TG__CU_READ(1, g) TG__CU_READ(2, a) TG__CU_READ(3, b) TG__CU_READ(4, y), , v)\n",
"#define TG__CU_DERIVE3(name, v)  TG__CU_MAP(name, 6, TG__CU_READ(1, g) TG__CU_READ(2, a) TG__CU_READ(3, b) TG__CU_READ(4, c) TG__CU_READ(5, y), , v)\n",
"#endif\n",
"#if TG__CU_TYPE != 0\n",
"#line 1 \"tensorgrad.h, from the line '#define NEG(v) TG__W(neg)(v)' on\"\n",
"#define NEG(v) TG__W(neg)(v)\n",
"#define ABS(v) TG__W(abs)(v)\n",
"#define SIGN(v) TG__W(sign)(v)\n",
"#define SQRT(v) TG__W(sqrt)(v)\n",
"#define RSQRT(v) TG__W(rsqrt)(v)\n",
"#define EXP(v) TG__W(exp)(v)\n",
"#define EXP2(v) TG__W(exp2)(v)\n",
"#define EXPM1(v) TG__W(expm1)(v)\n",
"#define LOG(v) TG__W(log)(v)\n",
"#define LOG2(v) TG__W(log2)(v)\n",
"#define LOG10(v) TG__W(log10)(v)\n",
"#define LOG1P(v) TG__W(log1p)(v)\n",
"#define SIN(v) TG__W(sin)(v)\n",
"#define COS(v) TG__W(cos)(v)\n",
"#define TAN(v) TG__W(tan)(v)\n",
"#define ASIN(v) TG__W(asin)(v)\n",
"#define ACOS(v) TG__W(acos)(v)\n",
"#define ATAN(v) TG__W(atan)(v)\n",
"#define ATAN2(v, w) TG__W(atan2)(v, w)\n",
"#define HYPOT(v, w) TG__W(hypot)(v, w)\n",
"#define COPYSIGN(v, w) TG__W(copysign)(v, w)\n",
"#define SINH(v) TG__W(sinh)(v)\n",
"#define COSH(v) TG__W(cosh)(v)\n",
"#define TANH(v) TG__W(tanh)(v)\n",
"#define ASINH(v) TG__W(asinh)(v)\n",
"#define ACOSH(v) TG__W(acosh)(v)\n",
"#define ATANH(v) TG__W(atanh)(v)\n",
"#define ERF(v) TG__W(erf)(v)\n",
"#define ERFC(v) TG__W(erfc)(v)\n",
"#define NDTR(v) TG__W(ndtr)(v)\n",
"#define SIGMOID(v) TG__W(sigmoid)(v)\n",
"#define LOGSIGMOID(v) TG__W(logsigmoid)(v)\n",
"#define SOFTPLUS(v) TG__W(softplus)(v)\n",
"#define FLOOR(v) TG__W(floor)(v)\n",
"#define CEIL(v) TG__W(ceil)(v)\n",
"#define ROUND(v) TG__W(round)(v)\n",
"#define TRUNC(v) TG__W(trunc)(v)\n",
"#define FMOD(v, w) TG__W(fmod)(v, w)\n",
"#define REMAINDER(v, w) TG__W(remainder)(v, w)\n",
"#define FLOORDIV(v, w) TG__W(floordiv)(v, w)\n",
"#define TRUNCDIV(v, w) TRUNC(DIV(v, w))\n",
"#define POW(v, w) TG__W(pow)(v, w)\n",
"#define ADD(v, w) TG__W(add)(v, w)\n",
"#define SUB(v, w) TG__W(sub)(v, w)\n",
"#define MUL(v, w) TG__W(mul)(v, w)\n",
"#define DIV(v, w) TG__W(div)(v, w)\n",
"#define MAX(v, w) TG__W(maxn)(v, w)\n",
"#define MIN(v, w) TG__W(minn)(v, w)\n",
"#define SELECT(m, v, w) TG__W(select)(m, v, w)\n",
"#define EQ(v, w) TG__W(eq)(v, w)\n",
"#define NE(v, w) TG__W(ne)(v, w)\n",
"#define LT(v, w) TG__W(lt)(v, w)\n",
"#define LE(v, w) TG__W(le)(v, w)\n",
"#define GT(v, w) TG__W(gt)(v, w)\n",
"#define GE(v, w) TG__W(ge)(v, w)\n",
"#define AND(v, w) TG__W(mand)(v, w)\n",
"#define OR(v, w) TG__W(mor)(v, w)\n",
"#define XOR(v, w) TG__W(mxor)(v, w)\n",
"#define ISNAN(v) TG__W(isnan)(v)\n",
"#define ISINF(v) TG__W(isinf)(v)\n",
"#define ISFINITE(v) TG__W(isfinite)(v)\n",
"#define K(v) TG__W(set)((TG__T)(v))\n",
"#define ZERO TG__W(set)(0)\n",
"#define ONE TG__W(set)(1)\n",
"#define HALF K(0.5)\n",
"#define P0 TG__W(set)((TG__T)p[0])\n",
"#define P1 TG__W(set)((TG__T)p[1])\n",
"#define GELU_TANH(v) TG__W(gelutanh)(v)\n",
"#line 71 \"tensorgrad.h, from the line '#define NEG(v) TG__W(neg)(v)' on\"\n",
"#define GELU_U(v) TG__W(mul)(v, TG__W(fma)(TG__W(mul)(v, v), K(0.07135481627159955), K(1.5957691216057308)))\n",
"#line 73 \"tensorgrad.h, from the line '#define NEG(v) TG__W(neg)(v)' on\"\n",
"#define SINC_U(v) MUL(K(3.14159265358979323846), SELECT(EQ(v, ZERO), ONE, v))\n",
"#define GELU_DU(v) TG__W(fma)(TG__W(mul)(v, v), K(0.21406444881479865), K(1.5957691216057308))\n",
"#endif\n",
"#line 3281 \"tensorgrad_cuda.h\"\n",
"#if !defined(TG__CU_ONLY) || defined(TG__CU_ONLY_COPY)\n",
"#line 3283 \"tensorgrad_cuda.h\"\n",
"TG__CU_MAP(TG__CU(tg__cu_cast), 2, , , TG__CU(tg__cu_get)(TG__CU_D(1), from[1], index[1]))\n",
"#if TG__CU_TYPE == 32\n",
"#line 3286 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void tg__cu_block_packed(const tg__cu_walk *r, int64_t i) {\n",
"const tg_dtype d = (tg_dtype)(TG__CU_D(0) + TG__CU_CODE);\n",
"const int bytes = d == TG_Q8_0 ? 34 : 18;\n",
"float v[TG__BLOCK];\n",
"uint8_t block[34];\n",
"for (int e = 0; e < TG__BLOCK; e++) v[e] = tg__cu_get_f32(TG__CU_D(1), r->o[1].p, i * TG__BLOCK + e);\n",
"tg__block_pack(d, block, v);\n",
"for (int e = 0; e < bytes; e++) ((uint8_t *)r->o[0].p)[i * bytes + e] = block[e];\n",
"}\n",
"TG__CU_KERNEL(tg__cu_unpack_f32, tg__cu_walk,\n",
"{ TG__CU_THREADS(t) TG__CU_EACH(i) tg__cu_put_f32(TG__CU_D(0), r->o[0].p, i,\n",
"tg__cu_get_block(TG__CU_D(1), r->o[1].p, i)); })\n",
"TG__CU_KERNEL(tg__cu_pack_f32, tg__cu_walk, { TG__CU_THREADS(t) TG__CU_EACH(i) tg__cu_block_packed(r, i); })\n",
"#elif TG__CU_TYPE == 64\n",
"TG__CU_KERNEL(tg__cu_ramp_f64, tg__cu_walk,\n",
"{ TG__CU_THREADS(t) TG__CU_EACH(i) { TG__CU_PLACES(1) tg__cu_put_f64(TG__CU_D(0), r->o[0].p, at[0],\n",
"r->numbers[0] + (double)i * r->numbers[1]); } })\n",
"#elif TG__CU_TYPE == 0\n",
"TG__CU_KERNEL(tg__cu_ramp_i64, tg__cu_walk,\n",
"{ TG__CU_THREADS(t) TG__CU_EACH(i) { TG__CU_PLACES(1) tg__cu_put_i64(TG__CU_D(0), r->o[0].p, at[0],\n",
"(int64_t)((uint64_t)r->whole[0] + (uint64_t)i * (uint64_t)r->whole[1])); } })\n",
"#undef TG__CU_BITS\n",
"#define TG__CU_BITS(bits) ((bits) == 64 ? 4 : (bits) == 32 ? 5 : (bits) == 16 ? 6 : 8)\n",
"#line 3310 \"tensorgrad_cuda.h\"\n",
"#define TG__CU_RAW(bits) \\\n",
"TG__CU_KERNEL(tg__cu_copy_##bits##_i64, tg__cu_walk, { TG__CU_THREADS(t) { \\\n",
"if (r->wide) TG__CU_EIGHTS(i) { \\\n",
"tg__cu_eight eight; \\\n",
"TG__CU_PLACES(2) \\\n",
"tg__cu_eight_in(TG__CU_BITS(bits), r->o[1].p, r->o[1].step, at[1], &eight); tg__cu_eight_out(TG__CU_BITS(bits), r->o[0].p, at[0], &eight); \\\n",
"} \\\n",
"TG__CU_LEFT(i) { TG__CU_PLACES(2) ((uint##bits##_t *)r->o[0].p)[at[0]] = ((const uint##bits##_t *)r->o[1].p)[at[1]]; } \\\n",
"} }) \\\n",
"TG__CU_KERNEL(tg__cu_turn_##bits##_i64, tg__cu_walk, { \\\n",
"TG__CU_SHARED(uint##bits##_t, square, 32 * 33); \\\n",
"const int64_t wide = (r->whole[0] + 31) / 32, high = (r->whole[1] + 31) / 32, rest = block / (wide * high), column = block % wide * 32, row = block / wide % high * 32; \\\n",
"const uint##bits##_t *const x = (const uint##bits##_t *)r->o[1].p + tg__cu_offset(r->ndim, r->shape, r->o[1].stride, rest); \\\n",
"uint##bits##_t *const y = (uint##bits##_t *)r->o[0].p + tg__cu_offset(r->ndim, r->shape, r->o[0].stride, rest); \\\n",
"TG__CU_THREADS(t) { TG__CU_UNROLL for (int i = t / 32; i < 32; i += 8) if (column + i < r->whole[0] && row + t % 32 < r->whole[1]) square[i * 33 + t % 32] = x[(column + i) * r->whole[2] + row + t % 32]; } \\\n",
"TG__CU_BARRIER                                                     \\\n",
"TG__CU_THREADS(t) { TG__CU_UNROLL for (int i = t / 32; i < 32; i += 8) if (column + t % 32 < r->whole[0] && row + i < r->whole[1]) y[(row + i) * r->whole[3] + column + t % 32] = square[t % 32 * 33 + i]; } \\\n",
"}) \\\n",
"TG__CU_KERNEL(tg__cu_fill_##bits##_i64, tg__cu_walk, { TG__CU_THREADS(t) TG__CU_EACH(i) { TG__CU_PLACES(1) ((uint##bits##_t *)r->o[0].p)[at[0]] = (uint##bits##_t)r->whole[0]; } })\n",
"TG__CU_RAW(8) TG__CU_RAW(16) TG__CU_RAW(32) TG__CU_RAW(64)\n",
"#endif\n",
"#endif\n",
"#line 3333 \"tensorgrad_cuda.h\"\n",
"#if !defined(TG__CU_ONLY) || defined(TG__CU_ONLY_RANDOM) || defined(TG__CU_ONLY_ATTENTION) || defined(TG__CU_ONLY_ATTENTION_MATRIX)\n",
"#line 3335 \"tensorgrad_cuda.h\"\n",
"#ifndef TG__CU_PHILOX\n",
"#define TG__CU_PHILOX\n",
"TG__INLINE void tg__cu_philox(uint64_t at, uint64_t key, uint64_t call, uint32_t *w) {\n",
"uint32_t c0 = (uint32_t)at, c1 = (uint32_t)(at >> 32), c2 = (uint32_t)call, c3 = (uint32_t)(call >> 32),\n",
"k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);\n",
"for (int i = 0; i < 10; i++) {\n",
"const uint64_t p = (uint64_t)0xd2511f53u * c0, q = (uint64_t)0xcd9e8d57u * c2;\n",
"c0 = (uint32_t)(q >> 32) ^ c1 ^ k0; c1 = (uint32_t)q;\n",
"c2 = (uint32_t)(p >> 32) ^ c3 ^ k1; c3 = (uint32_t)p;\n",
"k0 += 0x9e3779b9u; k1 += 0xbb67ae85u;\n",
"}\n",
"w[0] = c0; w[1] = c1; w[2] = c2; w[3] = c3;\n",
"}\n",
"TG__INLINE uint64_t tg__cu_mul_high(uint64_t a, uint64_t b) {\n",
"const uint64_t al = a & 0xffffffffu, ah = a >> 32, bl = b & 0xffffffffu, bh = b >> 32,\n",
"m = ah * bl + (al * bl >> 32), l = al * bh + (m & 0xffffffffu);\n",
"return ah * bh + (m >> 32) + (l >> 32);\n",
"}\n",
"enum { TG__CU_UNIFORM, TG__CU_NORMAL, TG__CU_KEEP, TG__CU_INTEGER, TG__CU_BERNOULLI };\n",
"#endif\n",
"#if TG__CU_TYPE == 32\n",
"#define TG__CU_PER 4\n",
"#define TG__CU_UNIT 5.9604644775390625e-8f\n",
"#define TG__CU_FRACTION(e) ((float)(int32_t)(w[e] >> 8) * TG__CU_UNIT)\n",
"#elif TG__CU_TYPE == 64\n",
"#define TG__CU_PER 2\n",
"#define TG__CU_UNIT 1.1102230246251565e-16\n",
"#define TG__CU_FRACTION(e) ((double)(((uint64_t)w[2 * (e) + 1] << 32 | w[2 * (e)]) >> 11) * TG__CU_UNIT)\n",
"#endif\n",
"#if TG__CU_TYPE != 0\n",
"TG__INLINE void TG__CU(tg__cu_drawn)(const tg__cu_walk *r, uint32_t *w, TG__T *v) {\n",
"const TG__T low = (TG__T)r->numbers[0], high = (TG__T)r->numbers[1];\n",
"const int dtype = TG__CU_D(0), half = r->kind == TG__CU_UNIFORM && (dtype == 2 || dtype == 3);\n",
"int e;\n",
"for (e = 0; half && e < 4; e++) w[e] &= dtype == 2 ? 0xffe00000u : 0xff000000u;\n",
"for (e = 0; e < TG__CU_PER; e++) {\n",
"const TG__T f = TG__CU_FRACTION(e);\n",
"if (r->kind == TG__CU_KEEP) { v[e] = f < low ? 0 : high; continue; }\n",
"if (r->kind == TG__CU_NORMAL) {\n",
"TG__T root, angle;\n",
"if (e & 1) continue;\n",
"root = TG__W(mul)(TG__W(sqrt)(TG__W(mul)((TG__T)-2, TG__W(log)(TG__W(add)(f, TG__CU_UNIT)))), high);\n",
"angle = TG__W(mul)(TG__CU_FRACTION(e + 1), (TG__T)6.283185307179586477);\n",
"v[e] = TG__W(add)(TG__W(mul)(root, TG__W(cos)(angle)), low);\n",
"v[e + 1] = TG__W(add)(TG__W(mul)(root, TG__W(sin)(angle)), low);\n",
"continue;\n",
"}\n",
"v[e] = TG__W(add)(low, TG__W(mul)(f, high - low));\n",
"if (v[e] >= high && low < high) v[e] = low;\n",
"if (half && low < high && (dtype == 2 ? tg__from_half(tg__to_half((float)v[e]))\n",
": tg__float((uint32_t)tg__to_bf16((float)v[e]) << 16)) >= high)\n",
"v[e] = low;\n",
"}\n",
"}\n",
"#else\n",
"#define TG__CU_PER 2\n",
"TG__INLINE void tg__cu_drawn_i64(const tg__cu_walk *r, uint32_t *w, int64_t *v) {\n",
"for (int e = 0; e < 2; e++)\n",
"v[e] = (int64_t)((uint64_t)r->whole[2] + tg__cu_mul_high((uint64_t)w[2 * e + 1] << 32 | w[2 * e], (uint64_t)r->whole[3]));\n",
"}\n",
"#endif\n",
"TG__INLINE void TG__CU(tg__cu_draw)(const tg__cu_walk *r, int64_t first) {\n",
"uint32_t w[4];\n",
"TG__T v[4];\n",
"tg__cu_philox((uint64_t)first / TG__CU_PER, (uint64_t)r->whole[0], (uint64_t)r->whole[1], w);\n",
"TG__CU(tg__cu_drawn)(r, w, v);\n",
"for (int e = 0; e < TG__CU_PER && first + e < r->n; e++) {\n",
"const int64_t i = first + e;\n",
"TG__CU_PLACES(2)\n",
"#if TG__CU_TYPE != 0\n",
"if (r->kind == TG__CU_BERNOULLI) {\n",
"const double p = r->o[1].number ? r->o[1].f : tg__cu_any(TG__CU_D(1), r->o[1].p, at[1]);\n",
"if (!(p >= 0 && p <= 1)) TG__CU_FLAG(r->flag, 2u);\n",
"v[e] = (double)v[e] < p ? 1 : 0;\n",
"}\n",
"if (r->part) v[e] = TG__W(mul)(r->o[1].number ? TG__CU_FROM(r->o[1].f) : TG__CU(tg__cu_get)(TG__CU_D(1), r->o[1].p, at[1]), v[e]);\n",
"#endif\n",
"if (!r->look) TG__CU(tg__cu_put)(TG__CU_D(0), r->o[0].p, at[0], v[e]);\n",
"}\n",
"}\n",
"TG__CU_KERNEL(TG__CU(tg__cu_random), tg__cu_walk,\n",
"{ TG__CU_THREADS(t) for (int64_t i = block * TG__CU_WIDTH + t; i * TG__CU_PER < r->n; i += blocks * TG__CU_WIDTH)\n",
"TG__CU(tg__cu_draw)(r, i * TG__CU_PER); })\n",
"#undef TG__CU_PER\n",
"#undef TG__CU_UNIT\n",
"#undef TG__CU_FRACTION\n",
"#endif\n",
"#line 3423 \"tensorgrad_cuda.h\"\n",
"#if !defined(TG__CU_ONLY) || defined(TG__CU_ONLY_REDUCE)\n",
"#line 3425 \"tensorgrad_cuda.h\"\n",
"#ifndef TG__CU_SUM\n",
"enum { TG__CU_SUM, TG__CU_PROD, TG__CU_MAX, TG__CU_MIN };\n",
"#define TG__CU_SUM TG__CU_SUM\n",
"#endif\n",
"#if TG__CU_TYPE == 0\n",
"typedef int64_t tg__cu_wide_i64;\n",
"#else\n",
"typedef double TG__CU(tg__cu_wide);\n",
"#endif\n",
"TG__INLINE TG__T TG__CU(tg__cu_fold)(int kind, TG__T a, TG__T b) {\n",
"#if TG__CU_TYPE == 0\n",
"return kind == TG__CU_SUM ? (int64_t)((uint64_t)a + (uint64_t)b) : kind == TG__CU_PROD ? (int64_t)((uint64_t)a * (uint64_t)b)\n",
": kind == TG__CU_MAX ? (b > a ? b : a) : b < a ? b : a;\n",
"#else\n",
"return kind == TG__CU_SUM ? a + b : kind == TG__CU_PROD ? a * b : kind == TG__CU_MAX ? TG__W(maxn)(a, b) : TG__W(minn)(a, b);\n",
"#endif\n",
"}\n",
"TG__INLINE int TG__CU(tg__cu_found)(TG__T x, TG__T v) {\n",
"#if TG__CU_TYPE == 0\n",
"return x == v;\n",
"#else\n",
"return x == v || (TG__W(isnan)(v) && TG__W(isnan)(x));\n",
"#endif\n",
"}\n",
"TG__INLINE TG__T TG__CU(tg__cu_element)(const tg__cu_reduce *r, const char *x, int64_t i) {\n",
"return TG__CU(tg__cu_get)(TG__CU_DTYPE(1, r->xd), x, r->run_dims == 1 ? i * r->rx[0] : tg__cu_offset(r->run_dims, r->run, r->rx, i));\n",
"}\n",
"TG__INLINE const char *TG__CU(tg__cu_first)(const tg__cu_reduce *r, int64_t out) {\n",
"return r->x + tg__cu_offset(r->kept_dims, r->kept, r->kx, out) * tg__cu_size(TG__CU_DTYPE(1, r->xd));\n",
"}\n",
"TG__INLINE void TG__CU(tg__cu_settle)(const tg__cu_reduce *r, int64_t out, TG__CU(tg__cu_wide) v, int64_t place) {\n",
"if (r->y) {\n",
"const int64_t at = tg__cu_offset(r->kept_dims, r->kept, r->ky, out);\n",
"#if TG__CU_TYPE == 0\n",
"tg__cu_put_i64(TG__CU_DTYPE(0, r->yd), r->y, at, v);\n",
"#else\n",
"v *= r->scale;\n",
"if (TG__CU_DTYPE(0, r->yd) == 1) ((double *)r->y)[at] = v; else TG__CU(tg__cu_put)(TG__CU_DTYPE(0, r->yd), r->y, at, (TG__T)v);\n",
"#endif\n",
"}\n",
"if (r->places) r->places[tg__cu_offset(r->kept_dims, r->kept, r->kp, out)] = place;\n",
"}\n",
"TG__INLINE void TG__CU(tg__cu_leave)(const tg__cu_reduce *r, int64_t out, int64_t q, TG__T v, int64_t place) {\n",
"if (r->pieces == 1) { TG__CU(tg__cu_settle)(r, out, (TG__CU(tg__cu_wide))v, place); return; }\n",
"((TG__CU(tg__cu_wide) *)r->partial)[q * r->outs + out] = (TG__CU(tg__cu_wide))v;\n",
"if (r->places) ((int64_t *)r->partial)[(r->pieces + q) * r->outs + out] = place;\n",
"}\n",
"TG__INLINE TG__T TG__CU(tg__cu_neutral)(int kind, TG__T first) { return kind == TG__CU_SUM ? 0 : kind == TG__CU_PROD ? 1 : first; }\n",
"TG__INLINE void TG__CU(tg__cu_runs)(const tg__cu_reduce *r, int64_t block, int kind) {\n",
"TG__CU_SHARED(TG__T, s, TG__CU_WIDTH);\n",
"TG__CU_SHARED(int64_t, place, TG__CU_WIDTH);\n",
"const int64_t items = r->outs * r->pieces;\n",
"int half;\n",
"TG__CU_THREADS(t) {\n",
"const int64_t item = block * 4 + t / 64, out = item / r->pieces, first = item % r->pieces * r->piece;\n",
"const int64_t n = r->length - first < r->piece ? r->length - first : r->piece;\n",
"const char *x;\n",
"TG__T v;\n",
"int64_t i = t % 64;\n",
"place[t] = -1;\n",
"if (item >= items) continue;\n",
"x = TG__CU(tg__cu_first)(r, out);\n",
"v = n ? TG__CU(tg__cu_neutral)(kind, TG__CU(tg__cu_element)(r, x, first)) : TG__CU(tg__cu_neutral)(kind, 0);\n",
"if (i < n) v = TG__CU(tg__cu_element)(r, x, first + i);\n",
"for (i += 64; i < n; i += 64) v = TG__CU(tg__cu_fold)(kind, v, TG__CU(tg__cu_element)(r, x, first + i));\n",
"s[t] = v;\n",
"place[t] = n;\n",
"}\n",
"TG__CU_BARRIER\n",
"for (half = 32; half > 0; half /= 2) {\n",
"TG__CU_THREADS(t) if (t % 64 < half && place[t] > half) s[t] = TG__CU(tg__cu_fold)(kind, s[t], s[t + half]);\n",
"TG__CU_BARRIER\n",
"}\n",
"if (r->places) {\n",
"TG__CU_THREADS(t) {\n",
"const int64_t item = block * 4 + t / 64, out = item / r->pieces, first = item % r->pieces * r->piece, n = place[t];\n",
"const char *x;\n",
"int64_t i;\n",
"if (item >= items) continue;\n",
"x = TG__CU(tg__cu_first)(r, out);\n",
"for (i = t % 64; i < n && !TG__CU(tg__cu_found)(TG__CU(tg__cu_element)(r, x, first + i), s[t & ~63]); i += 64) { }\n",
"place[t] = first + i;\n",
"}\n",
"TG__CU_BARRIER\n",
"for (half = 32; half > 0; half /= 2) {\n",
"TG__CU_THREADS(t) if (t % 64 < half && place[t + half] < place[t]) place[t] = place[t + half];\n",
"TG__CU_BARRIER\n",
"}\n",
"}\n",
"TG__CU_THREADS(t) {\n",
"const int64_t item = block * 4 + t / 64;\n",
"if (t % 64 == 0 && item < items) TG__CU(tg__cu_leave)(r, item / r->pieces, item % r->pieces, s[t], place[t]);\n",
"}\n",
"}\n",
"#line 3520 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void TG__CU(tg__cu_short)(const tg__cu_reduce *r, int64_t block, int kind) {\n",
"TG__CU_THREADS(t) {\n",
"const int64_t out = block * TG__CU_WIDTH + t;\n",
"const char *x;\n",
"TG__T lane[64], v;\n",
"int width = 1, half, i;\n",
"if (out >= r->outs) continue;\n",
"x = TG__CU(tg__cu_first)(r, out);\n",
"while (width < r->length) width *= 2;\n",
"for (i = 0; i < width; i++) lane[i] = i < r->length ? TG__CU(tg__cu_element)(r, x, i) : TG__CU(tg__cu_neutral)(kind, lane[0]);\n",
"for (half = width / 2; half > 0; half /= 2) for (i = 0; i < half; i++) lane[i] = TG__CU(tg__cu_fold)(kind, lane[i], lane[i + half]);\n",
"v = lane[0];\n",
"for (i = 0; r->places && !TG__CU(tg__cu_found)(TG__CU(tg__cu_element)(r, x, i), v); i++) { }\n",
"TG__CU(tg__cu_leave)(r, out, 0, v, i);\n",
"}\n",
"}\n",
"#line 3537 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void TG__CU(tg__cu_columns)(const tg__cu_reduce *r, int64_t block, int kind) {\n",
"TG__CU_THREADS(t) {\n",
"const int64_t wide = (r->outs + TG__CU_WIDTH - 1) / TG__CU_WIDTH, q = block / wide,\n",
"out = block % wide * TG__CU_WIDTH + t, first = q * r->piece;\n",
"const int64_t end = r->length - first < r->piece ? r->length : first + r->piece;\n",
"const char *x;\n",
"TG__T v;\n",
"int64_t i;\n",
"if (out >= r->outs) continue;\n",
"x = TG__CU(tg__cu_first)(r, out);\n",
"v = TG__CU(tg__cu_element)(r, x, first);\n",
"for (i = first + 1; i < end; i++) v = TG__CU(tg__cu_fold)(kind, v, TG__CU(tg__cu_element)(r, x, i));\n",
"TG__CU(tg__cu_leave)(r, out, q, v, 0);\n",
"}\n",
"}\n",
"#line 3553 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void TG__CU(tg__cu_join)(const tg__cu_reduce *r, int64_t block, int kind) {\n",
"TG__CU_THREADS(t) {\n",
"const int64_t out = block * TG__CU_WIDTH + t;\n",
"const TG__CU(tg__cu_wide) *part = (const TG__CU(tg__cu_wide) *)r->partial;\n",
"TG__CU(tg__cu_wide) v;\n",
"int64_t q, at = 0;\n",
"if (out >= r->outs) continue;\n",
"v = part[out];\n",
"for (q = 1; q < r->pieces; q++) {\n",
"const TG__CU(tg__cu_wide) b = part[q * r->outs + out], old = v;\n",
"#if TG__CU_TYPE == 0\n",
"v = tg__cu_fold_i64(kind, v, b);\n",
"if (v != old) at = q;\n",
"#else\n",
"if (kind == TG__CU_SUM) v += b; else if (kind == TG__CU_PROD) v *= b;\n",
"else if (!(v != v) && (b != b || (kind == TG__CU_MAX ? b > v : b < v))) { v = b; at = q; }\n",
"(void)old;\n",
"#endif\n",
"}\n",
"TG__CU(tg__cu_settle)(r, out, v, r->places ? ((const int64_t *)r->partial)[(r->pieces + at) * r->outs + out] : 0);\n",
"}\n",
"}\n",
"#ifndef TG__CU_REDUCERS\n",
"#define TG__CU_REDUCERS(kind, name) TG__CU_REDUCERS_(kind, name)\n",
"#define TG__CU_REDUCERS_(kind, name) \\\n",
"TG__CU_KERNEL(TG__CU(tg__cu_runs_##name), tg__cu_reduce, TG__CU(tg__cu_runs)(r, block, kind)) \\\n",
"TG__CU_KERNEL(TG__CU(tg__cu_short_##name), tg__cu_reduce, TG__CU(tg__cu_short)(r, block, kind)) \\\n",
"TG__CU_KERNEL(TG__CU(tg__cu_columns_##name), tg__cu_reduce, TG__CU(tg__cu_columns)(r, block, kind)) \\\n",
"TG__CU_KERNEL(TG__CU(tg__cu_join_##name), tg__cu_reduce, TG__CU(tg__cu_join)(r, block, kind))\n",
"#endif\n",
"#if !defined(TG__CU_KIND)\n",
"TG__CU_REDUCERS(TG__CU_SUM, sum) TG__CU_REDUCERS(TG__CU_PROD, prod) TG__CU_REDUCERS(TG__CU_MAX, max) TG__CU_REDUCERS(TG__CU_MIN, min)\n",
"#else\n",
"TG__CU_REDUCERS(TG__CU_KIND, TG__CU_KIND_NAME)\n",
"#endif\n",
"#endif\n",
"#line 3590 \"tensorgrad_cuda.h\"\n",
"#if (!defined(TG__CU_ONLY) || defined(TG__CU_ONLY_SOFTMAX)) && TG__CU_TYPE != 0\n",
"#line 3592 \"tensorgrad_cuda.h\"\n",
"#ifndef TG__CU_ROWS\n",
"#define TG__CU_ROWS\n",
"TG__INLINE int64_t tg__cu_class(const tg__cu_rows *r, int64_t row) {\n",
"const int64_t at = row * r->cs;\n",
"switch (TG__CU_DTYPE(2, r->cd)) {\n",
"case 4: return ((const int64_t *)r->classes)[at];\n",
"case 5: return ((const int32_t *)r->classes)[at];\n",
"case 6: return ((const int16_t *)r->classes)[at];\n",
"case 7: return ((const int8_t *)r->classes)[at];\n",
"default: return ((const uint8_t *)r->classes)[at];\n",
"}\n",
"}\n",
"#line 3605 \"tensorgrad_cuda.h\"\n",
"TG__INLINE int64_t tg__cu_class_of(const tg__cu_rows *r, int64_t row) {\n",
"const int64_t c = tg__cu_class(r, row);\n",
"if (c == -100 || (c >= 0 && c < r->length)) return c;\n",
"TG__CU_FLAG(r->flag, 4u);\n",
"return -100;\n",
"}\n",
"#endif\n",
"#define TG__CU_X(i) TG__CU(tg__cu_get)(TG__CU_DTYPE(1, r->xd), r->x, from + (i) * r->xs)\n",
"#line 3614 \"tensorgrad_cuda.h\"\n",
"#define TG__CU_LANE(first, ...) \\\n",
"for (int64_t at = (first); at < r->length; at += 256) { \\\n",
"TG__T four[4]; \\\n",
"TG__CU_UNROLL for (int e = 0; e < 4; e++) four[e] = at + 64 * e < r->length ? TG__CU_X(at + 64 * e) : 0; \\\n",
"TG__CU_UNROLL for (int e = 0; e < 4; e++) if (at + 64 * e < r->length) { const int64_t i = at + 64 * e; const TG__T x = four[e]; (void)i; __VA_ARGS__; } \\\n",
"}\n",
"TG__INLINE void TG__CU(tg__cu_soft)(const tg__cu_rows *r, int64_t block) {\n",
"TG__CU_SHARED(TG__T, s, TG__CU_WIDTH);\n",
"TG__CU_SHARED(TG__T, top, 4);\n",
"int half;\n",
"TG__CU_THREADS(t) {\n",
"const int64_t row = block * 4 + t / 64;\n",
"int64_t from;\n",
"TG__T v;\n",
"if (row >= r->rows) continue;\n",
"from = tg__cu_offset(r->ndim, r->shape, r->kx, row);\n",
"v = TG__CU_X(t % 64 < r->length ? t % 64 : 0);\n",
"TG__CU_LANE(t % 64 + 64, v = TG__W(maxn)(v, x))\n",
"s[t] = v;\n",
"}\n",
"TG__CU_BARRIER\n",
"for (half = 32; half > 0; half /= 2) {\n",
"TG__CU_THREADS(t) if (t % 64 < half && block * 4 + t / 64 < r->rows) s[t] = TG__W(maxn)(s[t], s[t + half]);\n",
"TG__CU_BARRIER\n",
"}\n",
"TG__CU_THREADS(t) if (t % 64 == 0) top[t / 64] = s[t];\n",
"TG__CU_BARRIER\n",
"TG__CU_THREADS(t) {\n",
"const int64_t row = block * 4 + t / 64;\n",
"int64_t from;\n",
"TG__T v = 0;\n",
"if (row >= r->rows) continue;\n",
"from = tg__cu_offset(r->ndim, r->shape, r->kx, row);\n",
"TG__CU_LANE(t % 64, v = TG__W(add)(v, TG__W(exp)(TG__W(sub)(x, top[t / 64]))))\n",
"s[t] = v;\n",
"}\n",
"TG__CU_BARRIER\n",
"for (half = 32; half > 0; half /= 2) {\n",
"TG__CU_THREADS(t) if (t % 64 < half && block * 4 + t / 64 < r->rows) s[t] = TG__W(add)(s[t], s[t + half]);\n",
"TG__CU_BARRIER\n",
"}\n",
"TG__CU_THREADS(t) {\n",
"const int64_t row = block * 4 + t / 64;\n",
"const TG__T m = top[t / 64], sum = s[t & ~63];\n",
"int64_t from, to, c;\n",
"TG__T v;\n",
"if (row >= r->rows) continue;\n",
"from = tg__cu_offset(r->ndim, r->shape, r->kx, row);\n",
"if (r->kind == 2) {\n",
"if (t % 64) continue;\n",
"c = tg__cu_class_of(r, row);\n",
"if (r->look) continue;\n",
"v = c == -100 ? 0 : TG__W(log)(sum) - (TG__CU_X(c) - m);\n",
"TG__CU(tg__cu_put)(TG__CU_DTYPE(0, r->yd), r->y, row, v);\n",
"((TG__T *)r->row)[2 * row] = c == -100 ? 0 : m;\n",
"((TG__T *)r->row)[2 * row + 1] = c == -100 ? 0 : sum;\n",
"continue;\n",
"}\n",
"to = tg__cu_offset(r->ndim, r->shape, r->ky, row);\n",
"v = r->kind == 1 ? TG__W(log)(sum) : TG__W(div)((TG__T)1, sum);\n",
"TG__CU_LANE(t % 64, const TG__T d = TG__W(sub)(x, m);\n",
"TG__CU(tg__cu_put)(TG__CU_DTYPE(0, r->yd), r->y, to + i * r->ys,\n",
"r->kind == 1 ? TG__W(sub)(d, v) : TG__W(mul)(TG__W(exp)(d), v)))\n",
"}\n",
"}\n",
"#line 3680 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void TG__CU(tg__cu_entropy_back)(const tg__cu_rows *r, int64_t block) {\n",
"TG__CU_THREADS(t) {\n",
"const int64_t row = block * 4 + t / 64;\n",
"int64_t from, c;\n",
"TG__T m, s, g;\n",
"if (row >= r->rows) continue;\n",
"c = tg__cu_class_of(r, row);\n",
"if (r->look) continue;\n",
"from = tg__cu_offset(r->ndim, r->shape, r->kx, row);\n",
"m = ((const TG__T *)r->row)[2 * row];\n",
"g = TG__CU(tg__cu_get)(TG__CU_DTYPE(1, r->xd), r->g, row * r->gs);\n",
"if (r->chunks) g = TG__W(div)(g, ((const TG__T *)r->row)[2 * (r->rows + r->chunks) + 1]);\n",
"s = g / ((const TG__T *)r->row)[2 * row + 1];\n",
"TG__CU_LANE(t % 64, TG__T v = c == -100 ? 0 : TG__W(mul)(TG__W(exp)(TG__W(sub)(x, m)), s);\n",
"if (i == c) v -= g;\n",
"TG__CU(tg__cu_put)(TG__CU_DTYPE(0, r->yd), r->y, row * r->length + i, v))\n",
"}\n",
"}\n",
"#undef TG__CU_LANE\n",
"#undef TG__CU_X\n",
"#line 3701 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void TG__CU(tg__cu_entropy_chunks)(const tg__cu_rows *r, int64_t block) {\n",
"TG__CU_SHARED(TG__T, s, TG__CU_WIDTH);\n",
"TG__CU_SHARED(double, sum, 4);\n",
"TG__CU_SHARED(int64_t, count, TG__CU_WIDTH);\n",
"int64_t at;\n",
"int half;\n",
"TG__CU_THREADS(t) { count[t] = 0; if (t % 64 == 0) sum[t / 64] = 0; }\n",
"for (at = 0; at < r->per; at += 128) {\n",
"TG__CU_BARRIER\n",
"TG__CU_THREADS(t) {\n",
"const int64_t first = (block * 4 + t / 64) * r->per, left = r->rows - first < r->per ? r->rows - first\n",
": r->per, row = first + at + t % 64;\n",
"s[t] = 0;\n",
"if (at + t % 64 >= left) continue;\n",
"s[t] = ((const TG__T *)r->y)[row];\n",
"count[t] += tg__cu_class(r, row) != -100;\n",
"if (t % 64 + 64 >= 128 || at + t % 64 + 64 >= left) continue;\n",
"s[t] = TG__W(add)(s[t], ((const TG__T *)r->y)[row + 64]);\n",
"count[t] += tg__cu_class(r, row + 64) != -100;\n",
"}\n",
"TG__CU_BARRIER\n",
"for (half = 32; half > 0; half /= 2) {\n",
"TG__CU_THREADS(t) if (t % 64 < half) s[t] = TG__W(add)(s[t], s[t + half]);\n",
"TG__CU_BARRIER\n",
"}\n",
"TG__CU_THREADS(t) if (t % 64 == 0) sum[t / 64] += (double)s[t];\n",
"}\n",
"TG__CU_BARRIER\n",
"for (half = 32; half > 0; half /= 2) {\n",
"TG__CU_THREADS(t) if (t % 64 < half) count[t] += count[t + half];\n",
"TG__CU_BARRIER\n",
"}\n",
"TG__CU_THREADS(t) {\n",
"const int64_t chunk = block * 4 + t / 64;\n",
"TG__T *to = (TG__T *)r->row + 2 * (r->rows + chunk);\n",
"if (t % 64 || chunk >= r->chunks) continue;\n",
"to[0] = (TG__T)sum[t / 64]; to[1] = (TG__T)count[t];\n",
"}\n",
"}\n",
"#line 3741 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void TG__CU(tg__cu_entropy_join)(const tg__cu_rows *r) {\n",
"TG__CU_THREADS(t) {\n",
"TG__T *const row = (TG__T *)r->row + 2 * r->rows;\n",
"double sum = 0, count = 0;\n",
"if (t) continue;\n",
"for (int64_t k = 0; k < r->chunks; k++) { sum += (double)row[2 * k]; count += (double)row[2 * k + 1]; }\n",
"row[2 * r->chunks] = (TG__T)sum; row[2 * r->chunks + 1] = (TG__T)count;\n",
"sum = count > 0 ? (double)(TG__T)sum / count : tg__double(0x7ff8000000000000u);\n",
"TG__CU(tg__cu_put)(TG__CU_DTYPE(3, r->md), r->mean, 0, (TG__T)sum);\n",
"}\n",
"}\n",
"TG__CU_KERNEL(TG__CU(tg__cu_entropy_sums), tg__cu_rows, TG__CU(tg__cu_entropy_chunks)(r, block))\n",
"TG__CU_KERNEL(TG__CU(tg__cu_entropy_mean), tg__cu_rows, { (void)block; TG__CU(tg__cu_entropy_join)(r); })\n",
"TG__CU_KERNEL(TG__CU(tg__cu_softmax), tg__cu_rows, TG__CU(tg__cu_soft)(r, block))\n",
"TG__CU_KERNEL(TG__CU(tg__cu_entropy), tg__cu_rows, TG__CU(tg__cu_entropy_back)(r, block))\n",
"#endif\n",
"#line 3758 \"tensorgrad_cuda.h\"\n",
"#if (!defined(TG__CU_ONLY) || defined(TG__CU_ONLY_INDEX)) && TG__CU_TYPE == 0\n",
"#line 3761 \"tensorgrad_cuda.h\"\n",
"#define TG__CU_CHANGE(code, T, WIDE, NARROW, U, NO) case code: { \\\n",
"T *const p = (T *)y + to; const T e = ((const T *)x)[from]; const U d = (U)WIDE(*p), s = (U)WIDE(e); \\\n",
"if (kind == 2) *p = (T)NARROW(d + s); else if (kind == 3) *p = (T)NARROW(d * s); \\\n",
"else if (!NO(WIDE(*p)) && (NO(WIDE(e)) || (kind == 4 ? WIDE(e) > WIDE(*p) : WIDE(e) < WIDE(*p)))) *p = e; \\\n",
"break; }\n",
"#define TG__CU_NEVER(v) 0\n",
"#define TG__CU_NAN(v) ((v) != (v))\n",
"#define TG__CU_SELF(v) (v)\n",
"TG__INLINE float tg__cu_bf16(uint16_t v) { return tg__float((uint32_t)v << 16); }\n",
"TG__INLINE void tg__cu_change(int kind, int dtype, char *y, int64_t to, const char *x, int64_t from) {\n",
"if (dtype == 9 && kind == 2) { ((uint8_t *)y)[to] = (uint8_t)(((uint8_t *)y)[to] || ((const uint8_t *)x)[from]); return; }\n",
"switch (dtype) {\n",
"TG__CU_CHANGE(0, float, TG__CU_SELF, TG__CU_SELF, float, TG__CU_NAN)\n",
"TG__CU_CHANGE(1, double, TG__CU_SELF, TG__CU_SELF, double, TG__CU_NAN)\n",
"TG__CU_CHANGE(2, uint16_t, tg__from_half, tg__to_half, float, TG__CU_NAN)\n",
"TG__CU_CHANGE(3, uint16_t, tg__cu_bf16, tg__to_bf16, float, TG__CU_NAN)\n",
"TG__CU_CHANGE(4, int64_t, TG__CU_SELF, (int64_t), uint64_t, TG__CU_NEVER)\n",
"TG__CU_CHANGE(5, int32_t, TG__CU_SELF, (int32_t), uint32_t, TG__CU_NEVER)\n",
"TG__CU_CHANGE(6, int16_t, TG__CU_SELF, (int16_t), uint32_t, TG__CU_NEVER)\n",
"TG__CU_CHANGE(7, int8_t, TG__CU_SELF, (int8_t), uint32_t, TG__CU_NEVER)\n",
"default: break;\n",
"TG__CU_CHANGE(8, uint8_t, TG__CU_SELF, (uint8_t), uint32_t, TG__CU_NEVER)\n",
"TG__CU_CHANGE(9, uint8_t, TG__CU_SELF, (uint8_t), uint32_t, TG__CU_NEVER)\n",
"}\n",
"}\n",
"#line 3787 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void tg__cu_take(const tg__cu_index *r, int64_t block, int64_t blocks) {\n",
"TG__CU_THREADS(t) for (int64_t i = block * TG__CU_WIDTH + t; i < r->n * r->k; i += blocks * TG__CU_WIDTH) {\n",
"const int64_t slice = r->buckets ? i % r->n : i / r->k, k = r->buckets ? i / r->n : i % r->k;\n",
"const int64_t v = r->index[tg__cu_offset(r->ndim, r->shape, r->si, slice) + k * r->ki];\n",
"if (v < 0 || v >= r->limit) { TG__CU_FLAG(r->flag, 8u); continue; }\n",
"if (r->look) continue;\n",
"tg__cu_move(r->size, r->y, tg__cu_offset(r->ndim, r->shape, r->sy, slice) + k * r->ky, r->x,\n",
"tg__cu_offset(r->ndim, r->shape, r->sx, slice) + v * r->xv);\n",
"}\n",
"}\n",
"#line 3798 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void tg__cu_scatter(const tg__cu_index *r, int64_t block) {\n",
"TG__CU_THREADS(t) {\n",
"const int64_t at = block * TG__CU_WIDTH + t, slice = at % r->n, bucket = at / r->n;\n",
"int64_t to, from, index, k;\n",
"if (bucket >= r->buckets) continue;\n",
"to = tg__cu_offset(r->ndim, r->shape, r->sy, slice); from = tg__cu_offset(r->ndim, r->shape, r->sx, slice);\n",
"index = tg__cu_offset(r->ndim, r->shape, r->si, slice);\n",
"for (k = 0; k < r->k; k++) {\n",
"const int64_t v = r->index[index + k * r->ki];\n",
"if ((v & (r->buckets - 1)) != bucket) continue;\n",
"if (v < 0 || v >= r->limit) { TG__CU_FLAG(r->flag, 8u); continue; }\n",
"if (r->look) continue;\n",
"if (r->kind == 1) tg__cu_move(r->size, r->y, to + v * r->yv, r->x, from + k * r->kx);\n",
"else tg__cu_change(r->kind, TG__CU_DTYPE(0, r->dtype), r->y, to + v * r->yv, r->x, from + k * r->kx);\n",
"}\n",
"}\n",
"}\n",
"TG__CU_KERNEL(tg__cu_index_take_i64, tg__cu_index, tg__cu_take(r, block, blocks))\n",
"TG__CU_KERNEL(tg__cu_index_scatter_i64, tg__cu_index, tg__cu_scatter(r, block))\n",
"#endif\n",
"#line 3819 \"tensorgrad_cuda.h\"\n",
"#if (!defined(TG__CU_ONLY) || defined(TG__CU_ONLY_SCAN)) && TG__CU_TYPE != 32\n",
"#line 3822 \"tensorgrad_cuda.h\"\n",
"#ifndef TG__CU_LINEAR\n",
"enum { TG__CU_SCAN_SUM, TG__CU_SCAN_PROD, TG__CU_SCAN_MAX, TG__CU_SCAN_MIN, TG__CU_LINEAR };\n",
"#define TG__CU_LINEAR TG__CU_LINEAR\n",
"#endif\n",
"#if TG__CU_TYPE == 0\n",
"#define TG__CU_ADD(a, b) ((int64_t)((uint64_t)(a) + (uint64_t)(b)))\n",
"#define TG__CU_TIMES(a, b) ((int64_t)((uint64_t)(a) * (uint64_t)(b)))\n",
"#else\n",
"#define TG__CU_ADD(a, b) ((a) + (b))\n",
"#define TG__CU_TIMES(a, b) ((a) * (b))\n",
"#endif\n",
"#line 3834 \"tensorgrad_cuda.h\"\n",
"typedef struct TG__CU(tg__cu_stretch) { TG__T value, factor; int64_t place; } TG__CU(tg__cu_stretch);\n",
"TG__INLINE void TG__CU(tg__cu_stretch_on)(int kind, TG__CU(tg__cu_stretch) *s, const TG__CU(tg__cu_stretch) *next) {\n",
"const TG__T v = next->value, old = s->value;\n",
"switch (kind) {\n",
"case TG__CU_SCAN_SUM: s->value = TG__CU_ADD(old, v); break;\n",
"case TG__CU_SCAN_PROD: s->value = TG__CU_TIMES(old, v); break;\n",
"case TG__CU_LINEAR: s->value = TG__CU_ADD(TG__CU_TIMES(next->factor, old), v);\n",
"s->factor = TG__CU_TIMES(next->factor, s->factor); break;\n",
"default: if (v != v || (old == old && (kind == TG__CU_SCAN_MAX ? v >= old : v <= old))) { s->value = v; s->place = next->place; }\n",
"}\n",
"}\n",
"#line 3846 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void TG__CU(tg__cu_scan_run)(const tg__cu_walk *r, int64_t row, int64_t from, int64_t end, int begun,\n",
"int store, TG__CU(tg__cu_stretch) *s) {\n",
"const int64_t to = tg__cu_offset(r->ndim, r->shape, r->o[0].stride, row), x = tg__cu_offset(r->ndim, r->shape, r->o[2].stride, row);\n",
"const int64_t places = tg__cu_offset(r->ndim, r->shape, r->o[1].stride, row), a = tg__cu_offset(r->ndim, r->shape, r->o[3].stride, row);\n",
"for (int64_t i = from; i < end; i++) {\n",
"TG__CU(tg__cu_stretch) next;\n",
"#if TG__CU_TYPE == 64\n",
"const int64_t tile = (i / 512 + 1) * 512;\n",
"#line 3855 \"tensorgrad_cuda.h\"\n",
"if (r->kind == TG__CU_SCAN_SUM && r->part && i + 4 <= (tile < end ? tile : end)) {\n",
"const double before = begun || i > from ? s->value : -0.0;\n",
"double v[4];\n",
"int e;\n",
"for (e = 0; e < 4; e++) v[e] = tg__cu_get_f64(TG__CU_D(2), r->o[2].p, x + (i + e) * r->o[2].step);\n",
"v[1] = v[0] + v[1]; v[3] = v[1] + (v[2] + v[3]);\n",
"v[2] = before + (v[1] + v[2]); v[0] = before + v[0]; v[1] = before + v[1]; v[3] = before + v[3];\n",
"for (e = 0; store && e < 4; e++) tg__cu_put_f64(TG__CU_D(0), r->o[0].p, to + (i + e) * r->o[0].step, v[e]);\n",
"s->value = v[3];\n",
"i += 3;\n",
"continue;\n",
"}\n",
"#endif\n",
"next.value = TG__CU(tg__cu_get)(TG__CU_D(2), r->o[2].p, x + i * r->o[2].step);\n",
"next.factor = r->o[3].p ? TG__CU(tg__cu_get)(TG__CU_D(3), r->o[3].p, a + i * r->o[3].step) : 0;\n",
"next.place = i;\n",
"if (i == from && !begun) *s = next; else TG__CU(tg__cu_stretch_on)(r->kind, s, &next);\n",
"if (!store) continue;\n",
"TG__CU(tg__cu_put)(TG__CU_D(0), r->o[0].p, to + i * r->o[0].step, s->value);\n",
"if (r->o[1].p) ((int64_t *)r->o[1].p)[places + i * r->o[1].step] = s->place;\n",
"}\n",
"}\n",
"TG__INLINE void TG__CU(tg__cu_scan_item)(const tg__cu_walk *r, int64_t item, int store) {\n",
"TG__CU(tg__cu_stretch) s, *const work = (TG__CU(tg__cu_stretch) *)r->work;\n",
"const int64_t q = item / r->n, row = item - q * r->n, from = q * r->piece, end = from + r->piece < r->o[0].count\n",
"? from + r->piece : r->o[0].count;\n",
"const int begun = store && q > 0;\n",
"if (begun) s = work[item]; else { s.value = s.factor = 0; s.place = 0; }\n",
"TG__CU(tg__cu_scan_run)(r, row, from, end, begun, store, &s);\n",
"if (!store) work[item] = s;\n",
"}\n",
"TG__INLINE void TG__CU(tg__cu_scan_row)(const tg__cu_walk *r, int64_t row) {\n",
"TG__CU(tg__cu_stretch) *const work = (TG__CU(tg__cu_stretch) *)r->work + row, s = work[0];\n",
"for (int64_t q = 1; q < r->pieces; q++) {\n",
"const TG__CU(tg__cu_stretch) next = work[q * r->n];\n",
"work[q * r->n] = s;\n",
"TG__CU(tg__cu_stretch_on)(r->kind, &s, &next);\n",
"}\n",
"}\n",
"#undef TG__CU_ADD\n",
"#undef TG__CU_TIMES\n",
"TG__CU_KERNEL(TG__CU(tg__cu_scan), tg__cu_walk, { TG__CU_THREADS(t) TG__CU_UP_TO(i, r->n * r->pieces) TG__CU(tg__cu_scan_item)(r, i, 1); })\n",
"TG__CU_KERNEL(TG__CU(tg__cu_scan_pieces), tg__cu_walk,\n",
"{ TG__CU_THREADS(t) TG__CU_UP_TO(i, r->n * r->pieces) TG__CU(tg__cu_scan_item)(r, i, 0); })\n",
"TG__CU_KERNEL(TG__CU(tg__cu_scan_before), tg__cu_walk, { TG__CU_THREADS(t) TG__CU_EACH(i) TG__CU(tg__cu_scan_row)(r, i); })\n",
"#endif\n",
"#line 3902 \"tensorgrad_cuda.h\"\n",
"#if (!defined(TG__CU_ONLY) || defined(TG__CU_ONLY_SORT)) && TG__CU_TYPE == 0\n",
"#line 3904 \"tensorgrad_cuda.h\"\n",
"enum { TG__CU_SORTS = 1024 };\n",
"typedef struct tg__cu_entry { uint64_t key; int64_t place; } tg__cu_entry;\n",
"TG__INLINE uint64_t tg__cu_sort_key(int dtype, const char *p, int64_t i) {\n",
"uint64_t u, sign, infinity;\n",
"switch (dtype) {\n",
"case 0: u = ((const uint32_t *)p)[i]; sign = 0x80000000u; infinity = 0x7f800000u; break;\n",
"case 1: u = ((const uint64_t *)p)[i]; sign = (uint64_t)1 << 63; infinity = (uint64_t)0x7ff << 52; break;\n",
"case 2: u = ((const uint16_t *)p)[i]; sign = 0x8000u; infinity = 0x7c00u; break;\n",
"case 3: u = ((const uint16_t *)p)[i]; sign = 0x8000u; infinity = 0x7f80u; break;\n",
"case 4: return ((const uint64_t *)p)[i] ^ (uint64_t)1 << 63;\n",
"case 5: return ((const uint32_t *)p)[i] ^ 0x80000000u;\n",
"case 6: return ((const uint16_t *)p)[i] ^ 0x8000u;\n",
"case 7: return ((const uint8_t *)p)[i] ^ 0x80u;\n",
"default: return ((const uint8_t *)p)[i];\n",
"}\n",
"if ((u & ~sign) > infinity) return sign | (sign - 1);\n",
"return u & sign ? (u ^ (sign | (sign - 1))) + (u == sign) : u | sign;\n",
"}\n",
"#line 3923 \"tensorgrad_cuda.h\"\n",
"TG__INLINE int64_t tg__cu_rank(const tg__cu_entry *e, int64_t n, uint64_t key, int equal) {\n",
"int64_t low = 0, high = n;\n",
"while (low < high) {\n",
"const int64_t mid = (low + high) / 2;\n",
"if (e[mid].key < key || (equal && e[mid].key == key)) low = mid + 1; else high = mid;\n",
"}\n",
"return low;\n",
"}\n",
"#line 3933 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void tg__cu_merge(const tg__cu_entry *from, tg__cu_entry *to, int64_t n, int64_t w, int64_t keep, int64_t i) {\n",
"const int64_t base = i / (2 * w) * (2 * w), second = base + w < n ? base + w : n, end = second + w < n ? second + w : n;\n",
"const int later = i >= second;\n",
"const int64_t own = i - (later ? second : base), other = later ? second - base : end - second;\n",
"if (own < keep) {\n",
"const int64_t at = own + tg__cu_rank(from + (later ? base : second), other < keep ? other : keep, from[i].key, later);\n",
"if (at < keep) to[base + at] = from[i];\n",
"}\n",
"}\n",
"#line 3943 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void tg__cu_sort_put(const tg__cu_walk *r, int64_t row, int64_t k, int64_t place) {\n",
"const int dtype = TG__CU_D(2), size = dtype == 0 || dtype == 5 ? 4 : dtype == 1 || dtype == 4 ? 8 : dtype == 2 ||\n",
"dtype == 3 || dtype == 6 ? 2 : 1;\n",
"tg__cu_move(size, r->o[0].p, tg__cu_offset(r->ndim, r->shape, r->o[0].stride, row) + k * r->o[0].step, r->o[2].p,\n",
"tg__cu_offset(r->ndim, r->shape, r->o[2].stride, row) + place * r->o[2].step);\n",
"((int64_t *)r->o[1].p)[tg__cu_offset(r->ndim, r->shape, r->o[1].stride, row) + k * r->o[1].step] = place;\n",
"}\n",
"#line 3951 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void tg__cu_sort_block(const tg__cu_walk *r, int64_t block) {\n",
"TG__CU_SHARED(tg__cu_entry, s, 2 * TG__CU_SORTS);\n",
"const int64_t first = block * (TG__CU_SORTS / r->piece), items = r->n * r->pieces, length = r->length, keep = r->whole[2];\n",
"#line 3955 \"tensorgrad_cuda.h\"\n",
"const int64_t last = length - (r->pieces - 1) * r->piece, next = (r->pieces - 1) * keep + (last < keep ? last : keep);\n",
"const tg__cu_entry *const entries = (const tg__cu_entry *)r->work + (r->part ? r->whole[3] : 0);\n",
"tg__cu_entry *const to = (tg__cu_entry *)r->work + (r->part ? 0 : r->whole[3]);\n",
"int64_t w;\n",
"int from = 0;\n",
"TG__CU_THREADS(t) for (int64_t e = t; e < TG__CU_SORTS; e += TG__CU_WIDTH) {\n",
"const int64_t item = first + e / r->piece, row = item / r->pieces, at = item % r->pieces * r->piece + e % r->piece;\n",
"s[e].key = ~(uint64_t)0; s[e].place = length;\n",
"if (item >= items || at >= length) continue;\n",
"if (r->whole[4]) { s[e] = entries[row * length + at]; continue; }\n",
"s[e].key = tg__cu_sort_key(TG__CU_D(2), r->o[2].p, tg__cu_offset(r->ndim, r->shape, r->o[2].stride, row) + at * r->o[2].step);\n",
"if (r->kind) s[e].key = ~s[e].key & ~(uint64_t)0 >> (TG__CU_D(2) == 1 || TG__CU_D(2) == 4 ? 0 : 32);\n",
"s[e].place = at;\n",
"}\n",
"TG__CU_BARRIER\n",
"for (w = 1; w < r->piece; w *= 2) {\n",
"TG__CU_THREADS(t) for (int64_t e = t; e < TG__CU_SORTS; e += TG__CU_WIDTH) tg__cu_merge(s + from,\n",
"s + (TG__CU_SORTS - from), TG__CU_SORTS, w, keep, e);\n",
"#line 3974 \"tensorgrad_cuda.h\"\n",
"TG__CU_BARRIER\n",
"from = TG__CU_SORTS - from;\n",
"}\n",
"TG__CU_THREADS(t) for (int64_t e = t; e < TG__CU_SORTS; e += TG__CU_WIDTH) {\n",
"const int64_t item = first + e / r->piece, row = item / r->pieces, piece = item % r->pieces, at = e % r->piece;\n",
"if (item >= items || at >= keep || piece * r->piece + at >= length) continue;\n",
"if (r->pieces > 1) to[row * next + piece * keep + at] = s[from + e];\n",
"else if (at >= r->whole[1] && at < r->whole[1] + r->o[0].count) tg__cu_sort_put(r, row, at - r->whole[1], s[from + e].place);\n",
"}\n",
"}\n",
"#line 3985 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void tg__cu_sort_merge(const tg__cu_walk *r, int64_t i) {\n",
"const int64_t n = r->length, row = i / n, half = r->whole[3];\n",
"tg__cu_entry *const e = (tg__cu_entry *)r->work + row * n;\n",
"tg__cu_merge(e + (r->part ? half : 0), e + (r->part ? 0 : half), n, r->piece, n, i - row * n);\n",
"}\n",
"TG__INLINE void tg__cu_sort_write(const tg__cu_walk *r, int64_t i) {\n",
"const int64_t n = r->length, row = i / r->o[0].count, k = i - row * r->o[0].count;\n",
"tg__cu_sort_put(r, row, k, ((const tg__cu_entry *)r->work)[(r->part ? r->whole[3] : 0) + row * n + r->whole[1] + k].place);\n",
"}\n",
"TG__INLINE void tg__cu_search(const tg__cu_walk *r, int64_t i) {\n",
"const int64_t row = i / r->o[0].count, k = i - row * r->o[0].count;\n",
"const int64_t to = tg__cu_offset(r->ndim, r->shape, r->o[0].stride, row) + k * r->o[0].step,\n",
"sorted = tg__cu_offset(r->ndim, r->shape, r->o[2].stride, row);\n",
"const uint64_t key = tg__cu_sort_key(TG__CU_D(1), r->o[1].p, tg__cu_offset(r->ndim, r->shape, r->o[1].stride, row) + k * r->o[1].step);\n",
"int64_t low = 0, high = r->o[2].count;\n",
"while (low < high) {\n",
"const int64_t mid = (low + high) / 2;\n",
"const uint64_t at = tg__cu_sort_key(TG__CU_D(1), r->o[2].p, sorted + mid * r->o[2].step);\n",
"if (at < key || (r->kind && at == key)) low = mid + 1; else high = mid;\n",
"}\n",
"if (TG__CU_D(0) == 4) ((int64_t *)r->o[0].p)[to] = low; else ((int32_t *)r->o[0].p)[to] = (int32_t)low;\n",
"}\n",
"TG__CU_KERNEL(tg__cu_sort_blocks_i64, tg__cu_walk, tg__cu_sort_block(r, block))\n",
"TG__CU_KERNEL(tg__cu_sort_merge_i64, tg__cu_walk, { TG__CU_THREADS(t) TG__CU_UP_TO(i, r->n * r->length) tg__cu_sort_merge(r, i); })\n",
"TG__CU_KERNEL(tg__cu_sort_write_i64, tg__cu_walk, { TG__CU_THREADS(t) TG__CU_UP_TO(i, r->n * r->o[0].count) tg__cu_sort_write(r, i); })\n",
"TG__CU_KERNEL(tg__cu_search_i64, tg__cu_walk, { TG__CU_THREADS(t) TG__CU_UP_TO(i, r->n * r->o[0].count) tg__cu_search(r, i); })\n",
"#endif\n",
"#line 4013 \"tensorgrad_cuda.h\"\n",
"#if (!defined(TG__CU_ONLY) || defined(TG__CU_ONLY_NORM)) && TG__CU_TYPE != 0\n",
"#line 4016 \"tensorgrad_cuda.h\"\n",
"#ifndef TG__CU_NORM\n",
"#define TG__CU_NORM\n",
"enum { TG__CU_NORM_MEAN, TG__CU_NORM_SQUARES, TG__CU_NORM_BACK };\n",
"TG__INLINE int64_t tg__cu_norm_row(const tg__cu_walk *r, int k, int64_t row) {\n",
"return tg__cu_offset(r->ndim, r->shape, r->o[k].stride, row);\n",
"}\n",
"TG__INLINE int64_t tg__cu_norm_at(const tg__cu_walk *r, int k, int64_t i) {\n",
"return r->within == 1 ? i * r->o[k].stride[r->ndim] : tg__cu_offset(r->within, r->shape + r->ndim, r->o[k].stride + r->ndim, i);\n",
"}\n",
"#endif\n",
"#define TG__CU_GET(k, row_at, i) TG__CU(tg__cu_get)(TG__CU_D(k), r->o[k].p, (row_at) + tg__cu_norm_at(r, k, i))\n",
"#line 4029 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void TG__CU(tg__cu_norm_gather)(const tg__cu_walk *r, int64_t block, int what, const double *mean, double *s, double *d) {\n",
"int half;\n",
"TG__CU_THREADS(t) {\n",
"const int64_t item = block * (TG__CU_WIDTH / r->lanes) + t / r->lanes, row = item / r->pieces, from = item % r->pieces * r->piece;\n",
"const int64_t end = from + r->piece < r->length ? from + r->piece : r->length;\n",
"int64_t x, g = 0, w = 0, i;\n",
"s[t] = d[t] = 0;\n",
"if (item >= r->n * r->pieces) continue;\n",
"x = tg__cu_norm_row(r, 4, row);\n",
"if (what == TG__CU_NORM_BACK) { g = tg__cu_norm_row(r, 6, row); w = tg__cu_norm_row(r, 5, row); }\n",
"for (i = from + t % r->lanes; i < end; i += r->lanes) {\n",
"const double e = (double)TG__CU_GET(4, x, i) - (what == TG__CU_NORM_MEAN ? 0 : mean[t / r->lanes]);\n",
"double h;\n",
"if (what == TG__CU_NORM_MEAN) { s[t] += e; continue; }\n",
"if (what == TG__CU_NORM_SQUARES) { s[t] += e * e; continue; }\n",
"h = (double)TG__CU_GET(6, g, i);\n",
"if (r->o[5].p && !r->whole[1]) h *= (double)TG__CU_GET(5, w, i);\n",
"s[t] += h; d[t] += h * e;\n",
"}\n",
"}\n",
"TG__CU_BARRIER\n",
"for (half = r->lanes / 2; half > 0; half /= 2) {\n",
"TG__CU_THREADS(t) if (t % r->lanes < half) { s[t] += s[t + half]; d[t] += d[t + half]; }\n",
"TG__CU_BARRIER\n",
"}\n",
"}\n",
"#line 4056 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void TG__CU(tg__cu_norm_settle)(const tg__cu_walk *r, int64_t row, int what, double s, double d) {\n",
"double *const own = (double *)r->work + 4 * row;\n",
"TG__T *const rows = r->o[3].p ? (TG__T *)r->o[3].p + tg__cu_norm_row(r, 3, row) : 0;\n",
"const int rms = r->kind == 1;\n",
"if (what == TG__CU_NORM_MEAN) { own[0] = s / (double)r->length; return; }\n",
"if (what == TG__CU_NORM_SQUARES) {\n",
"const TG__T var = (TG__T)(s / (double)r->length);\n",
"own[1] = 1 / tg__sqrt64((double)var + r->numbers[0]);\n",
"if (rms) own[0] = 0;\n",
"if (rows) { rows[0] = (TG__T)own[0]; rows[1] = var; }\n",
"return;\n",
"}\n",
"own[0] = (double)rows[0]; own[1] = 1 / tg__sqrt64((double)rows[1] + r->numbers[0]);\n",
"own[2] = rms ? 0 : own[1] * (s / (double)r->length); own[3] = own[1] * own[1] * own[1] * (d / (double)r->length);\n",
"if (!r->whole[1]) return;\n",
"if (r->o[1].p) TG__CU(tg__cu_put)(TG__CU_D(1), r->o[1].p, tg__cu_norm_row(r, 1, row), (TG__T)(d * own[1]));\n",
"if (r->o[2].p) TG__CU(tg__cu_put)(TG__CU_D(2), r->o[2].p, tg__cu_norm_row(r, 2, row), (TG__T)s);\n",
"if (r->o[5].p) { const double w = (double)TG__CU_GET(5, tg__cu_norm_row(r, 5, row), 0); own[2] *= w; own[3] *= w; }\n",
"}\n",
"#line 4076 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void TG__CU(tg__cu_norm_element)(const tg__cu_walk *r, int64_t row, int64_t i) {\n",
"const double *const own = (const double *)r->work + 4 * row;\n",
"const TG__T d = TG__CU_GET(4, tg__cu_norm_row(r, 4, row), i) - (TG__T)own[0], scale = (TG__T)own[1];\n",
"const TG__T w = r->o[5].p ? TG__CU_GET(5, tg__cu_norm_row(r, 5, row), i) : 1;\n",
"TG__T v;\n",
"if (r->part) v = TG__W(fnma)(d, (TG__T)own[3], TG__CU_GET(6, tg__cu_norm_row(r, 6, row), i) * w * scale - (TG__T)own[2]);\n",
"else v = d * scale * w + (r->o[6].p ? TG__CU_GET(6, tg__cu_norm_row(r, 6, row), i) : 0);\n",
"TG__CU(tg__cu_put)(TG__CU_D(0), r->o[0].p, tg__cu_norm_row(r, 0, row) + tg__cu_norm_at(r, 0, i), v);\n",
"}\n",
"#line 4086 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void TG__CU(tg__cu_norm_whole)(const tg__cu_walk *r, int64_t block, int back) {\n",
"TG__CU_SHARED(double, s, TG__CU_WIDTH);\n",
"TG__CU_SHARED(double, d, TG__CU_WIDTH);\n",
"TG__CU_SHARED(double, mean, TG__CU_WIDTH / 32);\n",
"const int64_t first = block * (TG__CU_WIDTH / r->lanes);\n",
"int what;\n",
"TG__CU_THREADS(t) if (t % r->lanes == 0 && first + t / r->lanes < r->n) mean[t / r->lanes] = back\n",
"? (double)((const TG__T *)r->o[3].p)[tg__cu_norm_row(r, 3, first + t / r->lanes)] : 0;\n",
"for (what = back ? TG__CU_NORM_BACK : r->kind == 1 ? TG__CU_NORM_SQUARES\n",
": TG__CU_NORM_MEAN; what <= (back ? TG__CU_NORM_BACK : TG__CU_NORM_SQUARES); what++) {\n",
"TG__CU_BARRIER\n",
"TG__CU(tg__cu_norm_gather)(r, block, what, mean, s, d);\n",
"TG__CU_THREADS(t) if (t % r->lanes == 0 && first + t / r->lanes < r->n) {\n",
"TG__CU(tg__cu_norm_settle)(r, first + t / r->lanes, what, s[t], d[t]);\n",
"mean[t / r->lanes] = ((const double *)r->work)[4 * (first + t / r->lanes)];\n",
"}\n",
"}\n",
"TG__CU_BARRIER\n",
"TG__CU_THREADS(t) if (first + t / r->lanes < r->n)\n",
"for (int64_t i = t % r->lanes; i < r->length; i += r->lanes) TG__CU(tg__cu_norm_element)(r, first + t / r->lanes, i);\n",
"}\n",
"#line 4108 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void TG__CU(tg__cu_norm_piece)(const tg__cu_walk *r, int64_t block) {\n",
"TG__CU_SHARED(double, s, TG__CU_WIDTH);\n",
"TG__CU_SHARED(double, d, TG__CU_WIDTH);\n",
"TG__CU_SHARED(double, mean, TG__CU_WIDTH / 32);\n",
"double *const sums = (double *)r->work + 4 * r->n;\n",
"const int64_t first = block * (TG__CU_WIDTH / r->lanes), items = r->n * r->pieces;\n",
"TG__CU_THREADS(t) {\n",
"const int64_t row = (first + t / r->lanes) / r->pieces;\n",
"if (t % r->lanes || first + t / r->lanes >= items) continue;\n",
"mean[t / r->lanes] = r->part ? (double)((const TG__T *)r->o[3].p)[tg__cu_norm_row(r, 3, row)] : r->kind == 1\n",
"? 0 : ((const double *)r->work)[4 * row];\n",
"}\n",
"TG__CU_BARRIER\n",
"TG__CU(tg__cu_norm_gather)(r, block, (int)r->whole[4], mean, s, d);\n",
"TG__CU_THREADS(t) if (t % r->lanes == 0 && first + t / r->lanes < items) {\n",
"sums[2 * (first + t / r->lanes)] = s[t]; sums[2 * (first + t / r->lanes) + 1] = d[t];\n",
"}\n",
"}\n",
"TG__INLINE void TG__CU(tg__cu_norm_joined)(const tg__cu_walk *r, int64_t row) {\n",
"const double *const sums = (const double *)r->work + 4 * r->n + 2 * row * r->pieces;\n",
"double s = 0, d = 0;\n",
"for (int64_t q = 0; q < r->pieces; q++) { s += sums[2 * q]; d += sums[2 * q + 1]; }\n",
"TG__CU(tg__cu_norm_settle)(r, row, (int)r->whole[4], s, d);\n",
"}\n",
"#line 4133 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void TG__CU(tg__cu_norm_column)(const tg__cu_walk *r, int64_t item) {\n",
"const int64_t q = item / r->length, i = item - q * r->length, end = (q + 1) * r->whole[2] < r->n ? (q + 1) * r->whole[2] : r->n;\n",
"double *const sums = (double *)r->work + 4 * r->n + 2 * r->n * r->pieces + 2 * item, *const own = (double *)r->work;\n",
"double dw = 0, db = 0;\n",
"for (int64_t row = q * r->whole[2]; row < end; row++) {\n",
"const double g = (double)TG__CU_GET(6, tg__cu_norm_row(r, 6, row), i);\n",
"dw += g * (((double)TG__CU_GET(4, tg__cu_norm_row(r, 4, row), i) - own[4 * row]) * own[4 * row + 1]); db += g;\n",
"}\n",
"sums[0] = dw; sums[1] = db;\n",
"}\n",
"TG__INLINE void TG__CU(tg__cu_norm_columns)(const tg__cu_walk *r, int64_t i) {\n",
"const double *const sums = (const double *)r->work + 4 * r->n + 2 * r->n * r->pieces + 2 * i;\n",
"double dw = 0, db = 0;\n",
"for (int64_t q = 0; q < r->whole[3]; q++) { dw += sums[2 * q * r->length]; db += sums[2 * q * r->length + 1]; }\n",
"if (r->o[1].p) TG__CU(tg__cu_put)(TG__CU_D(1), r->o[1].p, tg__cu_norm_at(r, 1, i), (TG__T)dw);\n",
"if (r->o[2].p) TG__CU(tg__cu_put)(TG__CU_D(2), r->o[2].p, tg__cu_norm_at(r, 2, i), (TG__T)db);\n",
"}\n",
"#undef TG__CU_GET\n",
"TG__CU_KERNEL(TG__CU(tg__cu_norm), tg__cu_walk, TG__CU(tg__cu_norm_whole)(r, block, 0))\n",
"TG__CU_KERNEL(TG__CU(tg__cu_norm_back), tg__cu_walk, TG__CU(tg__cu_norm_whole)(r, block, 1))\n",
"TG__CU_KERNEL(TG__CU(tg__cu_norm_pieces), tg__cu_walk, TG__CU(tg__cu_norm_piece)(r, block))\n",
"TG__CU_KERNEL(TG__CU(tg__cu_norm_join), tg__cu_walk, { TG__CU_THREADS(t) TG__CU_EACH(i) TG__CU(tg__cu_norm_joined)(r, i); })\n",
"TG__CU_KERNEL(TG__CU(tg__cu_norm_apply), tg__cu_walk,\n",
"{ TG__CU_THREADS(t) TG__CU_UP_TO(i, r->n * r->length) TG__CU(tg__cu_norm_element)(r, i / r->length, i % r->length); })\n",
"TG__CU_KERNEL(TG__CU(tg__cu_norm_weights), tg__cu_walk,\n",
"{ TG__CU_THREADS(t) TG__CU_UP_TO(i, r->length * r->whole[3]) TG__CU(tg__cu_norm_column)(r, i); })\n",
"TG__CU_KERNEL(TG__CU(tg__cu_norm_weights_join), tg__cu_walk,\n",
"{ TG__CU_THREADS(t) TG__CU_UP_TO(i, r->length) TG__CU(tg__cu_norm_columns)(r, i); })\n",
"#endif\n",
"#line 4163 \"tensorgrad_cuda.h\"\n",
"#if !defined(TG__CU_ONLY) || defined(TG__CU_ONLY_POOL)\n",
"#line 4166 \"tensorgrad_cuda.h\"\n",
"#ifndef TG__CU_WINDOW\n",
"#define TG__CU_WINDOW\n",
"typedef struct tg__cu_window { int64_t start, end, step, full, in; } tg__cu_window;\n",
"TG__INLINE int64_t tg__cu_up(int64_t a, int64_t b) { return (a + b - 1) / b; }\n",
"TG__INLINE tg__cu_window tg__cu_window_of(const tg__cu_walk *r, int d, int64_t o, int64_t in, int64_t out) {\n",
"const int64_t stride = r->whole[3 + d], padding = r->whole[6 + d], dilation = r->whole[9 + d];\n",
"tg__cu_window w;\n",
"w.in = in; w.step = r->part & 1 ? 1 : dilation;\n",
"if (r->part & 1) {\n",
"w.start = o * in / out; w.end = tg__cu_up((o + 1) * in, out);\n",
"w.full = w.end - w.start;\n",
"return w;\n",
"}\n",
"w.start = o * stride - padding; w.end = w.start + (r->whole[d] - 1) * dilation + 1;\n",
"w.full = (w.end < in + padding ? w.end : in + padding) - w.start;\n",
"if (w.start < 0) w.start += tg__cu_up(-w.start, dilation) * dilation;\n",
"if (w.end > in) w.end = in;\n",
"return w;\n",
"}\n",
"#line 4186 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void tg__cu_readers_of(const tg__cu_walk *r, int d, int64_t i, int64_t in, int64_t out, int64_t *first, int64_t *last) {\n",
"const int64_t stride = r->whole[3 + d], reach = i + r->whole[6 + d], wide = (r->whole[d] - 1) * r->whole[9 + d] + 1;\n",
"if (r->part & 1) { *first = i * out / in; *last = tg__cu_up((i + 1) * out, in) - 1; return; }\n",
"*first = reach < wide ? 0 : (reach - wide) / stride + 1;\n",
"*last = reach / stride < out - 1 ? reach / stride : out - 1;\n",
"}\n",
"TG__INLINE int64_t tg__cu_counted(const tg__cu_walk *r, const tg__cu_window *w) { return r->part & 2 ? w->end - w->start : w->full; }\n",
"#endif\n",
"#undef TG__CU_LINE\n",
"#define TG__CU_LINE(w, i) for (int64_t i = (w).start; i < (w).end; i += (w).step)\n",
"#define TG__CU_PICTURE(k) (p[0] * r->o[k].stride[0] + p[1] * r->o[k].stride[1])\n",
"#define TG__CU_PIXEL(k, at, d, h, w) TG__CU(tg__cu_get)(TG__CU_D(k), r->o[k].p, (at) + (d) * r->o[k].stride[2] + (h) * r->o[k].stride[3] + (w) * r->o[k].stride[4])\n",
"TG__INLINE void TG__CU(tg__cu_pooled)(const tg__cu_walk *r, int64_t i) {\n",
"TG__CU_POSITION\n",
"const int mean = r->kind == 1;\n",
"const int64_t x = TG__CU_PICTURE(2);\n",
"tg__cu_window w[3];\n",
"int64_t place = 0;\n",
"int d;\n",
"for (d = 0; d < 3; d++) {\n",
"w[d] = tg__cu_window_of(r, d, p[2 + d], r->o[2].size[2 + d], r->shape[2 + d]);\n",
"place = place * w[d].in + (w[d].start < w[d].in - 1 ? w[d].start : w[d].in - 1);\n",
"}\n",
"#if TG__CU_TYPE == 0\n",
"int64_t v = mean ? 0 : INT64_MIN;\n",
"#else\n",
"TG__T v = mean ? 0 : -TG__CU_FROM(tg__double(0x7ff0000000000000u));\n",
"if (mean && !(r->part & 4)) { TG__CU_LINE(w[2], c) {\n",
"TG__T column = 0;\n",
"int none = 1;\n",
"TG__CU_LINE(w[0], a) TG__CU_LINE(w[1], b) { const TG__T e = TG__CU_PIXEL(2, x, a, b, c); column = none ? e : column + e; none = 0; }\n",
"if (!none) v += column;\n",
"} } else\n",
"#endif\n",
"TG__CU_LINE(w[0], a) TG__CU_LINE(w[1], b) TG__CU_LINE(w[2], c) {\n",
"const TG__T e = TG__CU_PIXEL(2, x, a, b, c);\n",
"if (mean) { v += e; continue; }\n",
"if (e > v || e != e) { v = e; place = (a * w[1].in + b) * w[2].in + c; }\n",
"}\n",
"#if TG__CU_TYPE != 0\n",
"if (mean)\n",
"v /= (TG__T)(r->numbers[0] != 0 ? r->numbers[0] : (double)(tg__cu_counted(r, &w[0]) * tg__cu_counted(r,\n",
"&w[1]) * tg__cu_counted(r, &w[2])));\n",
"#endif\n",
"TG__CU(tg__cu_put)(TG__CU_D(0), r->o[0].p, TG__CU_TO(0), v);\n",
"if (r->o[1].p) ((int64_t *)r->o[1].p)[TG__CU_TO(1)] = place;\n",
"}\n",
"TG__CU_KERNEL(TG__CU(tg__cu_pool), tg__cu_walk, { TG__CU_THREADS(t) TG__CU_EACH(i) TG__CU(tg__cu_pooled)(r, i); })\n",
"#if TG__CU_TYPE != 0\n",
"#line 4236 \"tensorgrad_cuda.h\"\n",
"TG__INLINE int TG__CU(tg__cu_is_first)(const tg__cu_walk *r, const int64_t *p, const tg__cu_window *w, TG__T top) {\n",
"const int64_t x = TG__CU_PICTURE(3);\n",
"const TG__T own = TG__CU_PIXEL(3, x, p[2], p[3], p[4]);\n",
"int d;\n",
"for (d = 0; d < 3; d++) if (p[2 + d] < w[d].start || p[2 + d] >= w[d].end || (p[2 + d] - w[d].start) % w[d].step) return 0;\n",
"if (own != top && !(own != own && top != top)) return 0;\n",
"TG__CU_LINE(w[0], a) TG__CU_LINE(w[1], b) TG__CU_LINE(w[2], c) {\n",
"const TG__T e = TG__CU_PIXEL(3, x, a, b, c);\n",
"if (a == p[2] && b == p[3] && c == p[4]) return 1;\n",
"if (e == top || (e != e && top != top)) return 0;\n",
"}\n",
"return 0;\n",
"}\n",
"#line 4250 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void TG__CU(tg__cu_pool_returned)(const tg__cu_walk *r, int64_t i, int largest) {\n",
"TG__CU_POSITION\n",
"const int64_t g = TG__CU_PICTURE(2), y = TG__CU_PICTURE(4);\n",
"const int forward = (r->part & 5) != 0;\n",
"int64_t first[3], last[3], a, b, k;\n",
"TG__T v = 0;\n",
"int d;\n",
"for (d = 0; d < 3; d++) tg__cu_readers_of(r, d, p[2 + d], r->shape[2 + d], r->o[2].size[2 + d], &first[d], &last[d]);\n",
"for (a = first[0]; a <= last[0]; a++) for (b = first[1]; b <= last[1]; b++) for (k = first[2]; k <= last[2]; k++) {\n",
"const int64_t c = forward ? k : first[2] + last[2] - k, o[3] = { a, b, c };\n",
"tg__cu_window w[3];\n",
"TG__T part;\n",
"for (d = 0; d < 3; d++) w[d] = tg__cu_window_of(r, d, o[d], r->shape[2 + d], r->o[2].size[2 + d]);\n",
"if (largest && !TG__CU(tg__cu_is_first)(r, p, w, TG__CU_PIXEL(4, y, a, b, c))) continue;\n",
"part = TG__CU_PIXEL(2, g, a, b, c);\n",
"if (!largest)\n",
"part /= (TG__T)(r->numbers[0] != 0 ? r->numbers[0] : (double)(tg__cu_counted(r, &w[0]) * tg__cu_counted(r,\n",
"&w[1])) * (double)tg__cu_counted(r, &w[2]));\n",
"v += part;\n",
"}\n",
"TG__CU(tg__cu_put)(TG__CU_D(0), r->o[0].p, TG__CU_TO(0), v);\n",
"}\n",
"TG__CU_KERNEL(TG__CU(tg__cu_pool_back), tg__cu_walk, { TG__CU_THREADS(t) TG__CU_EACH(i) TG__CU(tg__cu_pool_returned)(r, i, 0); })\n",
"TG__CU_KERNEL(TG__CU(tg__cu_pool_claim), tg__cu_walk, { TG__CU_THREADS(t) TG__CU_EACH(i) TG__CU(tg__cu_pool_returned)(r, i, 1); })\n",
"#endif\n",
"#undef TG__CU_PICTURE\n",
"#undef TG__CU_PIXEL\n",
"#endif\n",
"#line 4279 \"tensorgrad_cuda.h\"\n",
"#if !defined(TG__CU_ONLY) || defined(TG__CU_ONLY_ATTENTION_MATRIX)\n",
"#line 4302 \"tensorgrad_cuda.h\"\n",
"#if !defined(TG__CU_HAS_MATRIX)\n",
"#if !defined(__CUDACC__)\n",
"#define TG__CU_HAS_MATRIX 1\n",
"#elif defined(__CUDA_ARCH__)\n",
"#define TG__CU_HAS_MATRIX (__CUDA_ARCH__ >= 800)\n",
"#else\n",
"#define TG__CU_HAS_MATRIX 0\n",
"#endif\n",
"#if defined(__CUDACC__) && TG__CU_HAS_MATRIX\n",
"#define TG__CU_SHARED_16(name, n) __shared__ __align__(16) uint16_t name[n]\n",
"#define TG__CU_MMA(dtype, sums, at, a, from, b, of) tg__cu_mma(dtype, &(sums)[at], &(a)[from], &(b)[of])\n",
"#define TG__CU_FRAGMENT(f, at, tile, stride, row, rows, column, across, turned) tg__cu_fragment(&(f)[at], tile, stride, row, rows, column, across, turned)\n",
"#define TG__CU_QUAD_MAX(v, at) { (v)[at] = fmaxf((v)[at], __shfl_xor_sync(0xffffffffu, (v)[at], 1)); (v)[at] = fmaxf((v)[at], __shfl_xor_sync(0xffffffffu, (v)[at], 2)); }\n",
"#define TG__CU_QUAD_SUM(v, at) { (v)[at] += __shfl_xor_sync(0xffffffffu, (v)[at], 1); (v)[at] += __shfl_xor_sync(0xffffffffu, (v)[at], 2); }\n",
"#define TG__CU_ARRIVED asm volatile(\"cp.async.wait_all;\" ::: \"memory\");\n",
"TG__INLINE void tg__cu_mma(int dtype, float *sums, const uint32_t *a, const uint32_t *b) {\n",
"if (dtype == 2)\n",
"asm volatile(\"mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};\"\n",
": \"+f\"(sums[0]), \"+f\"(sums[1]), \"+f\"(sums[2]), \"+f\"(sums[3]) : \"r\"(a[0]), \"r\"(a[1]), \"r\"(a[2]), \"r\"(a[3]), \"r\"(b[0]), \"r\"(b[1]));\n",
"else asm volatile(\"mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};\"\n",
": \"+f\"(sums[0]), \"+f\"(sums[1]), \"+f\"(sums[2]), \"+f\"(sums[3]) : \"r\"(a[0]), \"r\"(a[1]), \"r\"(a[2]), \"r\"(a[3]), \"r\"(b[0]), \"r\"(b[1]));\n",
"}\n",
"TG__INLINE void tg__cu_fragment(uint32_t *f, const uint16_t *tile, int stride, int row, int rows, int column, int across, int turned) {\n",
"#line 4326 \"tensorgrad_cuda.h\"\n",
"const int lane = (int)threadIdx.x % 32, down = across ? lane / 16 : lane / 8 % 2, right = across ? lane / 8 % 2 : lane / 16;\n",
"const uint32_t at = (uint32_t)__cvta_generic_to_shared(tile + ((int)threadIdx.x / 32 * rows + down * 8\n",
"+ lane % 8) * stride + right * 8) + (uint32_t)(row * stride + column) * 2;\n",
"if (turned)\n",
"asm volatile(\"ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];\" : \"=r\"(f[0]),\n",
"\"=r\"(f[1]), \"=r\"(f[2]), \"=r\"(f[3]) : \"r\"(at) : \"memory\");\n",
"else\n",
"asm volatile(\"ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];\" : \"=r\"(f[0]), \"=r\"(f[1]),\n",
"\"=r\"(f[2]), \"=r\"(f[3]) : \"r\"(at) : \"memory\");\n",
"}\n",
"TG__INLINE void tg__cu_copy_16(uint16_t *to, const uint16_t *from, int bytes) {\n",
"asm volatile(\"cp.async.cg.shared.global [%0], [%1], 16, %2;\" :: \"r\"((uint32_t)__cvta_generic_to_shared(to)),\n",
"\"l\"(from), \"r\"(bytes) : \"memory\");\n",
"}\n",
"TG__INLINE uint32_t tg__cu_pack(int dtype, float low, float high) {\n",
"uint32_t v;\n",
"if (dtype == 2) asm(\"cvt.rn.f16x2.f32 %0, %1, %2;\" : \"=r\"(v) : \"f\"(high), \"f\"(low));\n",
"else asm(\"cvt.rn.bf16x2.f32 %0, %1, %2;\" : \"=r\"(v) : \"f\"(high), \"f\"(low));\n",
"return v;\n",
"}\n",
"#line 4347 \"tensorgrad_cuda.h\"\n",
"TG__INLINE float tg__cu_exp2(float v) { float y; asm(\"ex2.approx.ftz.f32 %0, %1;\" : \"=f\"(y) : \"f\"(v)); return y; }\n",
"#elif !defined(__CUDACC__)\n",
"#define TG__CU_SHARED_16(name, n) TG__CU_SHARED(uint16_t, name, n)\n",
"#define TG__CU_SPAN(v) ((int)(sizeof (v)[0] / sizeof (v)[0][0]))\n",
"#define TG__CU_MMA(dtype, sums, at, a, from, b, of) tg__cu_mma(dtype, &(sums)[0][at], TG__CU_SPAN(sums), &(a)[0][from], TG__CU_SPAN(a), &(b)[0][of], TG__CU_SPAN(b))\n",
"#define TG__CU_FRAGMENT(f, at, tile, stride, row, rows, column, across, turned) tg__cu_fragment(&(f)[0][at], TG__CU_SPAN(f), tile, stride, row, rows, column, across, turned)\n",
"#define TG__CU_QUAD_MAX(v, at) { for (int t = 0; t < TG__CU_WIDTH; t += 4) (v)[t][at] = (v)[t + 1][at] = (v)[t + 2][at] = (v)[t + 3][at] = fmaxf(fmaxf((v)[t][at], (v)[t + 1][at]), fmaxf((v)[t + 2][at], (v)[t + 3][at])); }\n",
"#define TG__CU_QUAD_SUM(v, at) { for (int t = 0; t < TG__CU_WIDTH; t += 4) (v)[t][at] = (v)[t + 1][at] = (v)[t + 2][at] = (v)[t + 3][at] = ((v)[t][at] + (v)[t + 1][at]) + ((v)[t + 2][at] + (v)[t + 3][at]); }\n",
"#define TG__CU_ARRIVED tg__cu_arrive();\n",
"static float tg__cu_half_of(int dtype, uint32_t bits) { return dtype == 2 ? tg__from_half((uint16_t)bits) : tg__float(bits << 16); }\n",
"static void tg__cu_mma(int dtype, float *sums, int sums_span, const uint32_t *a, int a_span, const uint32_t *b, int b_span) {\n",
"for (int warp = 0; warp < TG__CU_WIDTH / 32; warp++) {\n",
"float left[16][16], right[8][16];\n",
"for (int l = 0; l < 32; l++) {\n",
"const int t = warp * 32 + l, g = l / 4, c = l % 4 * 2;\n",
"for (int i = 0; i < 8; i++)\n",
"left[g + i / 2 % 2 * 8][c + i / 4 * 8 + i % 2] = tg__cu_half_of(dtype, a[t * a_span + i / 2] >> i % 2 * 16 & 0xffffu);\n",
"for (int i = 0; i < 4; i++)\n",
"right[g][c + i / 2 * 8 + i % 2] = tg__cu_half_of(dtype, b[t * b_span + i / 2] >> i % 2 * 16 & 0xffffu);\n",
"}\n",
"for (int l = 0; l < 32; l++) for (int i = 0; i < 4; i++) {\n",
"const float *const x = left[l / 4 + i / 2 * 8], *const y = right[l % 4 * 2 + i % 2];\n",
"float *const to = &sums[(warp * 32 + l) * sums_span + i];\n",
"double v = 0;\n",
"for (int k = 0; k < 16; k++) v += (double)x[k] * (double)y[k];\n",
"*to = (float)((double)*to + v);\n",
"}\n",
"}\n",
"}\n",
"static void tg__cu_fragment(uint32_t *f, int span, const uint16_t *tile, int stride, int row, int rows, int column,\n",
"int across, int turned) {\n",
"TG__CU_THREADS(t) for (int i = 0; i < 4; i++) {\n",
"const int down = across ? i / 2 : i % 2, right = across ? i % 2 : i / 2, g = t % 32 / 4, c = t % 4 * 2;\n",
"const uint16_t *const p = tile + (row + t / 32 * rows + down * 8) * stride + column + right * 8;\n",
"f[t * span + i] = turned ? p[c * stride + g] | (uint32_t)p[(c + 1) * stride + g] << 16 : p[g * stride + c]\n",
"| (uint32_t)p[g * stride + c + 1] << 16;\n",
"}\n",
"}\n",
"enum { TG__CU_LATE = 8192 };\n",
"typedef struct tg__cu_late { uint16_t *to; const uint16_t *from; int bytes, who; } tg__cu_late;\n",
"#line 4388 \"tensorgrad_cuda.h\"\n",
"static struct { tg__cu_late at[TG__CU_LATE]; int n; } tg__cu_lates;\n",
"static void tg__cu_arrive(void) {\n",
"for (int i = 0; i < tg__cu_lates.n; i++) {\n",
"const tg__cu_late *const l = &tg__cu_lates.at[i];\n",
"TG__CU_AS(l->who)\n",
"for (int k = 0; k < 8; k++) l->to[k] = k < l->bytes / 2 ? l->from[k] : 0;\n",
"}\n",
"TG__CU_AS(-1)\n",
"tg__cu_lates.n = 0;\n",
"}\n",
"static void tg__cu_copy_16(uint16_t *to, const uint16_t *from, int bytes) {\n",
"const int who = TG__CU_WHO;\n",
"tg__cu_late *l;\n",
"if (tg__cu_lates.n == TG__CU_LATE) { tg__cu_arrive(); TG__CU_AS(who) }\n",
"l = &tg__cu_lates.at[tg__cu_lates.n++];\n",
"l->to = to; l->from = from; l->bytes = bytes; l->who = who;\n",
"for (int k = 0; k < 8; k++) to[k] = 0xffffu;\n",
"}\n",
"static uint32_t tg__cu_pack(int dtype, float low, float high) {\n",
"return dtype == 2 ? tg__to_half(low) | (uint32_t)tg__to_half(high) << 16 : tg__to_bf16(low) | (uint32_t)tg__to_bf16(high) << 16;\n",
"}\n",
"static float tg__cu_exp2(float v) { return exp2f(v); }\n",
"#endif\n",
"#endif\n",
"#endif\n",
"#line 4414 \"tensorgrad_cuda.h\"\n",
"#if !defined(TG__CU_ONLY) || defined(TG__CU_ONLY_ATTENTION) || defined(TG__CU_ONLY_ATTENTION_MATRIX)\n",
"#ifndef TG__CU_AT\n",
"#define TG__CU_AT\n",
"enum { TG__CU_ROW = 32, TG__CU_ROOM = 32 * 33 };\n",
"#line 4419 \"tensorgrad_cuda.h\"\n",
"typedef struct tg__cu_head { int64_t b, h, row, column; } tg__cu_head;\n",
"#define TG__CU_Q(back) ((back) ? 3 : 2)\n",
"#define TG__CU_REST(back) ((back) ? 8 : 1)\n",
"TG__INLINE tg__cu_head tg__cu_head_of(int64_t block, const int64_t *size, int wide) {\n",
"const int64_t rows = (size[2] + 31) / 32, columns = (size[3] + wide - 1) / wide;\n",
"tg__cu_head a;\n",
"a.row = block % rows * 32; block /= rows;\n",
"a.column = block % columns * wide; block /= columns;\n",
"a.h = block % size[1]; a.b = block / size[1];\n",
"return a;\n",
"}\n",
"TG__INLINE int64_t tg__cu_head_at(const tg__cu_walk *r, int k, int64_t b, int64_t h) {\n",
"return b * r->o[k].stride[0] + h * r->o[k].stride[1];\n",
"}\n",
"#endif\n",
"#endif\n",
"#line 4436 \"tensorgrad_cuda.h\"\n",
"#if (!defined(TG__CU_ONLY) || defined(TG__CU_ONLY_ATTENTION)) && TG__CU_TYPE != 0\n",
"#line 4438 \"tensorgrad_cuda.h\"\n",
"#undef TG__CU_AE\n",
"#define TG__CU_AE (TG__CU_TYPE == 32 ? 128 : 64)\n",
"#line 4441 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void TG__CU(tg__cu_tile_dots)(const tg__cu_walk *r, int a, int64_t a_at, int64_t a_row, int b,\n",
"int64_t b_at, int64_t b_row, int64_t n, TG__T *as, TG__T *bs, TG__CU_OWN(TG__T, dot, 4)) {\n",
"int64_t d0;\n",
"TG__CU_THREADS(t) { TG__CU_UNROLL for (int c = 0; c < 4; c++) TG__CU_MY(dot, t)[c] = 0; }\n",
"for (d0 = 0; d0 < n; d0 += 32) {\n",
"TG__CU_THREADS(t) for (int e = t; e < 1024; e += TG__CU_WIDTH) {\n",
"const int i = e / 32, d = e % 32;\n",
"as[i * 33 + d] = d0 + d < n && a_row + i < r->o[a].size[2] ? TG__CU(tg__cu_get)(TG__CU_D(a), r->o[a].p,\n",
"a_at + (a_row + i) * r->o[a].stride[2] + (d0 + d) * r->o[a].stride[3]) : 0;\n",
"bs[i * 33 + d] = d0 + d < n && b_row + i < r->o[b].size[2] ? TG__CU(tg__cu_get)(TG__CU_D(b), r->o[b].p,\n",
"b_at + (b_row + i) * r->o[b].stride[2] + (d0 + d) * r->o[b].stride[3]) : 0;\n",
"}\n",
"TG__CU_BARRIER\n",
"TG__CU_THREADS(t) for (int d = 0; d < 32; d++) {\n",
"const TG__T v = as[t / 8 * 33 + d];\n",
"TG__CU_UNROLL for (int c = 0; c < 4; c++) TG__CU_MY(dot, t)[c] =\n",
"TG__W(fma)(v, bs[(t % 8 + 8 * c) * 33 + d], TG__CU_MY(dot, t)[c]);\n",
"}\n",
"TG__CU_BARRIER\n",
"}\n",
"}\n",
"#line 4463 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void TG__CU(tg__cu_tile_times)(const tg__cu_walk *r, const TG__T *tile, int v, int64_t v_at, int64_t row,\n",
"int64_t column, TG__T *vs, TG__CU_OWN(TG__T, out, TG__CU_AE / 8)) {\n",
"TG__CU_THREADS(t) for (int e = t; e < 32 * TG__CU_AE; e += TG__CU_WIDTH) {\n",
"const int j = e / TG__CU_AE, c = e % TG__CU_AE;\n",
"vs[e] = row + j < r->o[v].size[2] && column + c < r->o[v].size[3] ? TG__CU(tg__cu_get)(TG__CU_D(v), r->o[v].p,\n",
"v_at + (row + j) * r->o[v].stride[2] + (column + c) * r->o[v].stride[3]) : 0;\n",
"}\n",
"TG__CU_BARRIER\n",
"TG__CU_THREADS(t) for (int j = 0; j < 32; j++) {\n",
"const TG__T p = tile[t / 8 * 33 + j];\n",
"TG__CU_UNROLL for (int c = 0; c < TG__CU_AE / 8; c++) TG__CU_MY(out, t)[c] =\n",
"TG__W(fma)(p, vs[j * TG__CU_AE + t % 8 + 8 * c], TG__CU_MY(out, t)[c]);\n",
"}\n",
"TG__CU_BARRIER\n",
"}\n",
"TG__INLINE void TG__CU(tg__cu_tile_put)(const tg__cu_walk *r, int y, const tg__cu_head *a, TG__CU_OWN(TG__T, out, TG__CU_AE / 8)) {\n",
"TG__CU_THREADS(t) TG__CU_UNROLL for (int c = 0; c < TG__CU_AE / 8; c++) {\n",
"const int64_t row = a->row + t / 8, column = a->column + t % 8 + 8 * c;\n",
"if (row < r->o[y].size[2] && column < r->o[y].size[3])\n",
"TG__CU(tg__cu_put)(TG__CU_D(y), r->o[y].p,\n",
"tg__cu_head_at(r, y, a->b, a->h) + row * r->o[y].stride[2] + column * r->o[y].stride[3],\n",
"TG__CU_MY(out, t)[c]);\n",
"}\n",
"}\n",
"#line 4488 \"tensorgrad_cuda.h\"\n",
"TG__INLINE TG__T TG__CU(tg__cu_score)(const tg__cu_walk *r, int back, int64_t b, int64_t h, int64_t q, int64_t k, TG__T dot) {\n",
"const int mask = TG__CU_Q(back) + 3;\n",
"const TG__T none = -TG__CU_FROM(tg__double(0x7ff0000000000000u)), v = dot * (TG__T)r->numbers[0];\n",
"int64_t at;\n",
"if (q >= r->o[TG__CU_Q(back)].size[2] || k >= r->o[TG__CU_Q(back) + 1].size[2] || (r->whole[0] && k > q)) return none;\n",
"if (!r->o[mask].p) return v;\n",
"at = tg__cu_head_at(r, mask, b, h) + q * r->o[mask].stride[2] + k * r->o[mask].stride[3];\n",
"if (TG__CU_D(mask) == 9) return ((const uint8_t *)r->o[mask].p)[at] ? v : none;\n",
"return v + TG__CU(tg__cu_get)(TG__CU_D(mask), r->o[mask].p, at);\n",
"}\n",
"#line 4499 \"tensorgrad_cuda.h\"\n",
"TG__NOINLINE TG__T TG__CU(tg__cu_kept)(const tg__cu_walk *r, int back, int64_t b, int64_t h, int64_t q, int64_t k) {\n",
"const tg__cu_view *const o = &r->o[TG__CU_Q(back)];\n",
"const uint64_t at = (uint64_t)(((b * o->size[1] + h) * o->size[2] + q) * r->o[TG__CU_Q(back) + 1].size[2] + k);\n",
"const double p = r->numbers[1];\n",
"uint32_t w[4];\n",
"if (p == 0) return 1;\n",
"#if TG__CU_TYPE == 32\n",
"tg__cu_philox(at / 4, (uint64_t)r->whole[1], (uint64_t)r->whole[2], w);\n",
"return (float)(int32_t)((at & 2 ? (at & 1 ? w[3] : w[2]) : at & 1 ? w[1]\n",
": w[0]) >> 8) * 5.9604644775390625e-8f < (float)p ? 0 : (float)(p < 1 ? 1 / (1 - p) : 0);\n",
"#else\n",
"tg__cu_philox(at / 2, (uint64_t)r->whole[1], (uint64_t)r->whole[2], w);\n",
"return (double)(((uint64_t)(at & 1 ? w[3] : w[1]) << 32\n",
"| (at & 1 ? w[2] : w[0])) >> 11) * 1.1102230246251565e-16 < p ? 0 : p < 1 ? 1 / (1 - p) : 0;\n",
"#endif\n",
"}\n",
"#line 4516 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void TG__CU(tg__cu_attended)(const tg__cu_walk *r, int64_t block) {\n",
"TG__CU_SHARED(TG__T, as, TG__CU_ROOM);\n",
"TG__CU_SHARED(TG__T, bs, TG__CU_ROOM);\n",
"TG__CU_SHARED(TG__T, tile, TG__CU_ROOM);\n",
"TG__CU_SHARED(TG__T, vs, 32 * TG__CU_AE);\n",
"TG__CU_SHARED(TG__T, found, TG__CU_WIDTH);\n",
"TG__CU_SHARED(TG__T, sums, TG__CU_WIDTH);\n",
"TG__CU_SHARED(TG__T, top, TG__CU_ROW);\n",
"TG__CU_SHARED(TG__T, sum, TG__CU_ROW);\n",
"TG__CU_OWN(TG__T, dot, 4);\n",
"TG__CU_OWN(TG__T, out, TG__CU_AE / 8);\n",
"TG__CU_OWN(TG__T, state, 2);\n",
"const tg__cu_head a = tg__cu_head_of(block, r->o[0].size, TG__CU_AE);\n",
"const int64_t hk = a.h / (r->o[2].size[1] / r->o[3].size[1]), keys = r->o[3].size[2], end = r->whole[0] &&\n",
"a.row + 32 < keys ? a.row + 32 : keys;\n",
"const TG__T none = -TG__CU_FROM(tg__double(0x7ff0000000000000u));\n",
"int64_t k0;\n",
"TG__CU_THREADS(t) {\n",
"TG__CU_UNROLL for (int c = 0; c < TG__CU_AE / 8; c++) TG__CU_MY(out, t)[c] = 0;\n",
"if (t < TG__CU_ROW) { top[t] = none; sum[t] = 0; }\n",
"}\n",
"for (k0 = 0; k0 < end; k0 += 32) {\n",
"TG__CU(tg__cu_tile_dots)(r, 2, tg__cu_head_at(r, 2, a.b, a.h), a.row, 3, tg__cu_head_at(r, 3, a.b, hk), k0,\n",
"r->o[2].size[3], as, bs, dot);\n",
"TG__CU_THREADS(t) {\n",
"TG__T m = none;\n",
"TG__CU_UNROLL for (int c = 0; c < 4; c++) {\n",
"TG__CU_MY(dot, t)[c] = TG__CU(tg__cu_score)(r, 0, a.b, a.h, a.row + t / 8, k0 + t % 8 + 8 * c, TG__CU_MY(dot, t)[c]);\n",
"m = TG__W(maxn)(m, TG__CU_MY(dot, t)[c]);\n",
"}\n",
"found[t] = m;\n",
"}\n",
"TG__CU_BARRIER\n",
"TG__CU_THREADS(t) {\n",
"TG__T m = top[t / 8], own = 0;\n",
"for (int c = 0; c < 8; c++) m = TG__W(maxn)(m, found[t / 8 * 8 + c]);\n",
"TG__CU_MY(state, t)[0] = m;\n",
"TG__CU_MY(state, t)[1] = top[t / 8] == none ? 0 : TG__W(exp)(top[t / 8] - m);\n",
"TG__CU_UNROLL for (int c = 0; c < 4; c++) {\n",
"const TG__T p = m == none ? 0 : TG__W(exp)(TG__CU_MY(dot, t)[c] - m);\n",
"own += p;\n",
"tile[t / 8 * 33 + t % 8 + 8 * c] = p * TG__CU(tg__cu_kept)(r, 0, a.b, a.h, a.row + t / 8, k0 + t % 8 + 8 * c);\n",
"}\n",
"sums[t] = own;\n",
"TG__CU_UNROLL for (int c = 0; c < TG__CU_AE / 8; c++) TG__CU_MY(out, t)[c] *= TG__CU_MY(state, t)[1];\n",
"}\n",
"TG__CU_BARRIER\n",
"TG__CU_THREADS(t) if (t % 8 == 0) {\n",
"TG__T v = 0;\n",
"for (int c = 0; c < 8; c++) v += sums[t + c];\n",
"sum[t / 8] = sum[t / 8] * TG__CU_MY(state, t)[1] + v; top[t / 8] = TG__CU_MY(state, t)[0];\n",
"}\n",
"TG__CU(tg__cu_tile_times)(r, tile, 4, tg__cu_head_at(r, 4, a.b, hk), k0, a.column, vs, out);\n",
"}\n",
"TG__CU_BARRIER\n",
"TG__CU_THREADS(t) {\n",
"const TG__T s = sum[t / 8], inverse = s == 0 ? 0 : 1 / s;\n",
"const int64_t at = (a.b * r->o[2].size[1] + a.h) * r->o[2].size[2] + a.row + t / 8;\n",
"TG__CU_UNROLL for (int c = 0; c < TG__CU_AE / 8; c++) TG__CU_MY(out, t)[c] *= inverse;\n",
"if (t % 8 || a.column || a.row + t / 8 >= r->o[2].size[2]) continue;\n",
"((TG__T *)r->o[1].p)[at] = s == 0 ? -none : top[t / 8];\n",
"((TG__T *)r->o[1].p)[r->n + at] = inverse;\n",
"}\n",
"TG__CU(tg__cu_tile_put)(r, 0, &a, out);\n",
"}\n",
"#line 4582 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void TG__CU(tg__cu_delta)(const tg__cu_walk *r, int64_t i) {\n",
"const int64_t q = i % r->o[3].size[2], h = i / r->o[3].size[2] % r->o[3].size[1], b = i / r->o[3].size[2] / r->o[3].size[1];\n",
"const int64_t y = tg__cu_head_at(r, 7, b, h) + q * r->o[7].stride[2], g = tg__cu_head_at(r, 9, b, h) + q * r->o[9].stride[2];\n",
"TG__T v = 0;\n",
"for (int64_t e = 0; e < r->o[9].size[3]; e++)\n",
"v = TG__W(fma)(TG__CU(tg__cu_get)(TG__CU_D(7), r->o[7].p, y + e * r->o[7].stride[3]),\n",
"TG__CU(tg__cu_get)(TG__CU_D(9), r->o[9].p, g + e * r->o[9].stride[3]), v);\n",
"((TG__T *)r->work)[i] = v;\n",
"}\n",
"#line 4593 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void TG__CU(tg__cu_attend_back)(const tg__cu_walk *r, int64_t block, int which) {\n",
"TG__CU_SHARED(TG__T, as, TG__CU_ROOM);\n",
"TG__CU_SHARED(TG__T, bs, TG__CU_ROOM);\n",
"TG__CU_SHARED(TG__T, tile, TG__CU_ROOM);\n",
"TG__CU_SHARED(TG__T, vs, 32 * TG__CU_AE);\n",
"TG__CU_OWN(TG__T, dot, 4);\n",
"TG__CU_OWN(TG__T, slope, 4);\n",
"TG__CU_OWN(TG__T, out, TG__CU_AE / 8);\n",
"const tg__cu_head a = tg__cu_head_of(block, r->o[which].size, TG__CU_AE);\n",
"const int64_t heads = r->o[3].size[1], group = heads / r->o[4].size[1], queries = r->o[3].size[2], keys = r->o[4].size[2];\n",
"const int64_t first = which == 0 || !r->whole[0] ? 0 : a.row, end = which ? queries : r->whole[0] &&\n",
"a.row + 32 < keys ? a.row + 32 : keys;\n",
"int64_t h, at;\n",
"TG__CU_THREADS(t) { TG__CU_UNROLL for (int c = 0; c < TG__CU_AE / 8; c++) TG__CU_MY(out, t)[c] = 0; }\n",
"for (h = which ? a.h * group : a.h; h < (which ? (a.h + 1) * group : a.h + 1); h++) for (at = first; at < end; at += 32) {\n",
"const int64_t hk = h / group, q_at = tg__cu_head_at(r, 3, a.b, h), k_at = tg__cu_head_at(r, 4, a.b, hk),\n",
"v_at = tg__cu_head_at(r, 5, a.b, hk), g_at = tg__cu_head_at(r, 9, a.b, h);\n",
"if (which) TG__CU(tg__cu_tile_dots)(r, 4, k_at, a.row, 3, q_at, at, r->o[3].size[3], as, bs, dot);\n",
"else TG__CU(tg__cu_tile_dots)(r, 3, q_at, a.row, 4, k_at, at, r->o[3].size[3], as, bs, dot);\n",
"if (which == 1) TG__CU(tg__cu_tile_dots)(r, 5, v_at, a.row, 9, g_at, at, r->o[5].size[3], as, bs, slope);\n",
"else if (which == 0) TG__CU(tg__cu_tile_dots)(r, 9, g_at, a.row, 5, v_at, at, r->o[5].size[3], as, bs, slope);\n",
"TG__CU_THREADS(t) TG__CU_UNROLL for (int c = 0; c < 4; c++) {\n",
"const int64_t row = a.row + t / 8, column = at + t % 8 + 8 * c, q = which ? column : row,\n",
"k = which ? row : column, i = (a.b * heads + h) * queries + q;\n",
"TG__T *const v = &tile[t / 8 * 33 + t % 8 + 8 * c], p, keep;\n",
"*v = 0;\n",
"if (q >= queries || k >= keys) continue;\n",
"p = TG__CU(tg__cu_score)(r, 1, a.b, h, q, k, TG__CU_MY(dot, t)[c]);\n",
"if (p == -TG__CU_FROM(tg__double(0x7ff0000000000000u))) continue;\n",
"p = TG__W(exp)(p - ((const TG__T *)r->o[8].p)[i]) * ((const TG__T *)r->o[8].p)[r->n + i];\n",
"keep = TG__CU(tg__cu_kept)(r, 1, a.b, h, q, k);\n",
"*v = which == 2 ? p * keep : p * (TG__T)r->numbers[0] * (TG__CU_MY(slope, t)[c] * keep - ((const TG__T *)r->work)[i]);\n",
"}\n",
"TG__CU_BARRIER\n",
"if (which == 0) TG__CU(tg__cu_tile_times)(r, tile, 4, k_at, at, a.column, vs, out);\n",
"else if (which == 1) TG__CU(tg__cu_tile_times)(r, tile, 3, q_at, at, a.column, vs, out);\n",
"else TG__CU(tg__cu_tile_times)(r, tile, 9, g_at, at, a.column, vs, out);\n",
"}\n",
"TG__CU(tg__cu_tile_put)(r, which, &a, out);\n",
"}\n",
"#line 4634 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void TG__CU(tg__cu_one_put)(const tg__cu_walk *r, int64_t head, int t, TG__T v, TG__T top, TG__T sum) {\n",
"const TG__T inverse = sum == 0 ? 0 : 1 / sum;\n",
"const int64_t heads = r->o[2].size[1];\n",
"if (t < r->o[0].size[3])\n",
"TG__CU(tg__cu_put)(TG__CU_D(0), r->o[0].p, tg__cu_head_at(r, 0, head / heads, head % heads) + t * r->o[0].stride[3], v * inverse);\n",
"if (t == 0) {\n",
"((TG__T *)r->o[1].p)[head] = sum == 0 ? TG__CU_FROM(tg__double(0x7ff0000000000000u)) : top;\n",
"((TG__T *)r->o[1].p)[r->n + head] = inverse;\n",
"}\n",
"}\n",
"#line 4645 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void TG__CU(tg__cu_one)(const tg__cu_walk *r, int64_t block) {\n",
"TG__CU_SHARED(TG__T, q, TG__CU_WIDE_HEAD);\n",
"TG__CU_SHARED(TG__T, p, TG__CU_WIDTH);\n",
"TG__CU_SHARED(TG__T, found, TG__CU_WIDTH);\n",
"TG__CU_SHARED(TG__T, part, TG__CU_WIDTH);\n",
"const int64_t piece = block % r->pieces, head = block / r->pieces, heads = r->o[2].size[1], b = head / heads,\n",
"h = head % heads, hk = h / (heads / r->o[3].size[1]), first = piece * TG__CU_ONE_KEYS;\n",
"const int64_t k_at = tg__cu_head_at(r, 3, b, hk), v_at = tg__cu_head_at(r, 4, b, hk), left = r->o[3].size[2] - first;\n",
"const int depth = (int)r->o[2].size[3], columns = (int)r->o[0].size[3], keys = left < TG__CU_ONE_KEYS ? (int)left\n",
": (int)TG__CU_ONE_KEYS;\n",
"const TG__T none = -TG__CU_FROM(tg__double(0x7ff0000000000000u));\n",
"int wide = 1, half;\n",
"while (wide < columns) wide *= 2;\n",
"TG__CU_THREADS(t) for (int d = t; d < depth; d += TG__CU_WIDTH) q[d] = TG__CU(tg__cu_get)(TG__CU_D(2), r->o[2].p,\n",
"tg__cu_head_at(r, 2, b, h) + d * r->o[2].stride[3]);\n",
"TG__CU_BARRIER\n",
"TG__CU_THREADS(t) {\n",
"const int64_t at = k_at + (first + t) * r->o[3].stride[2];\n",
"TG__T v[8];\n",
"TG__CU_UNROLL for (int e = 0; e < 8; e++) v[e] = 0;\n",
"if (t < keys && r->wide) for (int d = 0; d < depth; d += 8) {\n",
"tg__cu_eight eight;\n",
"tg__cu_eight_in(TG__CU_D(3), r->o[3].p, 1, at + d, &eight);\n",
"TG__CU_UNROLL for (int e = 0; e < 8; e++) v[e] = TG__W(fma)(q[d + e],\n",
"TG__CU(tg__cu_get)(TG__CU_D(3), (const char *)&eight, e), v[e]);\n",
"}\n",
"else if (t < keys) for (int d = 0; d < depth; d += 8)\n",
"TG__CU_UNROLL for (int e = 0; e < 8; e++) if (d + e < depth) v[e] = TG__W(fma)(q[d + e],\n",
"TG__CU(tg__cu_get)(TG__CU_D(3), r->o[3].p, at + (d + e) * r->o[3].stride[3]), v[e]);\n",
"TG__CU_UNROLL for (int n = 4; n > 0; n /= 2) TG__CU_UNROLL for (int e = 0; e < n; e++) v[e] += v[e + n];\n",
"p[t] = found[t] = TG__CU(tg__cu_score)(r, 0, b, h, 0, first + t, v[0]);\n",
"}\n",
"TG__CU_BARRIER\n",
"for (half = TG__CU_WIDTH / 2; half > 0; half /= 2) {\n",
"TG__CU_THREADS(t) if (t < half) found[t] = TG__W(maxn)(found[t], found[t + half]);\n",
"TG__CU_BARRIER\n",
"}\n",
"TG__CU_THREADS(t) p[t] = part[t] = found[0] == none ? 0 : TG__W(exp)(p[t] - found[0]);\n",
"TG__CU_BARRIER\n",
"for (half = TG__CU_WIDTH / 2; half > 0; half /= 2) {\n",
"TG__CU_THREADS(t) if (t < half) part[t] += part[t + half];\n",
"TG__CU_BARRIER\n",
"}\n",
"TG__CU_THREADS(t) if (t == 0) q[0] = part[0];\n",
"TG__CU_BARRIER\n",
"TG__CU_THREADS(t) {\n",
"TG__T v = 0;\n",
"if (t % wide < columns)\n",
"for (int k = t / wide; k < keys; k += TG__CU_WIDTH / wide)\n",
"v = TG__W(fma)(p[k], TG__CU(tg__cu_get)(TG__CU_D(4), r->o[4].p,\n",
"v_at + (first + k) * r->o[4].stride[2] + t % wide * r->o[4].stride[3]), v);\n",
"part[t] = v;\n",
"}\n",
"TG__CU_BARRIER\n",
"for (half = TG__CU_WIDTH / wide / 2; half > 0; half /= 2) {\n",
"TG__CU_THREADS(t) if (t / wide < half) part[t] += part[t + half * wide];\n",
"TG__CU_BARRIER\n",
"}\n",
"TG__CU_THREADS(t) {\n",
"TG__T *const to = (TG__T *)r->work + block * (columns + 2);\n",
"if (r->pieces == 1) { TG__CU(tg__cu_one_put)(r, head, t, part[t], found[0], q[0]); continue; }\n",
"if (t < columns) to[t] = part[t];\n",
"if (t == 0) { to[columns] = found[0]; to[columns + 1] = q[0]; }\n",
"}\n",
"}\n",
"#line 4711 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void TG__CU(tg__cu_one_join)(const tg__cu_walk *r, int64_t head) {\n",
"const int columns = (int)r->o[0].size[3];\n",
"const TG__T *const from = (const TG__T *)r->work + head * r->pieces * (columns + 2),\n",
"none = -TG__CU_FROM(tg__double(0x7ff0000000000000u));\n",
"TG__CU_THREADS(t) {\n",
"TG__T top = none, sum = 0, v = 0;\n",
"for (int64_t i = 0; i < r->pieces; i++) top = TG__W(maxn)(top, from[i * (columns + 2) + columns]);\n",
"for (int64_t i = 0; i < r->pieces && top != none; i++) {\n",
"const TG__T *const own = from + i * (columns + 2), weight = own[columns] == none ? 0 : TG__W(exp)(own[columns] - top);\n",
"sum = TG__W(fma)(own[columns + 1], weight, sum);\n",
"if (t < columns) v = TG__W(fma)(own[t], weight, v);\n",
"}\n",
"TG__CU(tg__cu_one_put)(r, head, t, v, top, sum);\n",
"}\n",
"}\n",
"TG__CU_KERNEL(TG__CU(tg__cu_attend), tg__cu_walk, TG__CU(tg__cu_attended)(r, block))\n",
"TG__CU_KERNEL(TG__CU(tg__cu_attend_one), tg__cu_walk, TG__CU(tg__cu_one)(r, block))\n",
"TG__CU_KERNEL(TG__CU(tg__cu_attend_join), tg__cu_walk, TG__CU(tg__cu_one_join)(r, block))\n",
"TG__CU_KERNEL(TG__CU(tg__cu_attend_delta), tg__cu_walk, { TG__CU_THREADS(t) TG__CU_EACH(i) TG__CU(tg__cu_delta)(r, i); })\n",
"TG__CU_KERNEL(TG__CU(tg__cu_attend_dq), tg__cu_walk, TG__CU(tg__cu_attend_back)(r, block, 0))\n",
"TG__CU_KERNEL(TG__CU(tg__cu_attend_dk), tg__cu_walk, TG__CU(tg__cu_attend_back)(r, block, 1))\n",
"TG__CU_KERNEL(TG__CU(tg__cu_attend_dv), tg__cu_walk, TG__CU(tg__cu_attend_back)(r, block, 2))\n",
"#endif\n",
"#line 4735 \"tensorgrad_cuda.h\"\n",
"#if (!defined(TG__CU_ONLY) || defined(TG__CU_ONLY_ATTENTION_MATRIX)) && TG__CU_TYPE == 32 && TG__CU_HAS_MATRIX\n",
"#line 4745 \"tensorgrad_cuda.h\"\n",
"#ifdef TG__CU_KIND\n",
"#define TG__CU_DS(back) (TG__CU_KIND & 15)\n",
"#define TG__CU_ES(back) (TG__CU_KIND >> 4)\n",
"#define TG__CU_DROPS (TG__CU_PART & 1)\n",
"#define TG__CU_MASKED(mask) (TG__CU_PART & 4)\n",
"#define TG__CU_MOST ((TG__CU_KIND & 15) > TG__CU_KIND >> 4 ? TG__CU_KIND & 15 : TG__CU_KIND >> 4)\n",
"#define TG__CU_TILES(back) (((back) && TG__CU_MOST <= 4 ? 256 : 128) * (TG__CU_MOST * 16 + 8))\n",
"#else\n",
"#define TG__CU_DS(back) ((int)((r->o[TG__CU_Q(back)].size[3] + 15) / 16))\n",
"#define TG__CU_ES(back) ((int)((r->o[TG__CU_Q(back) + 2].size[3] + 15) / 16))\n",
"#define TG__CU_DROPS (r->numbers[1] != 0)\n",
"#define TG__CU_MASKED(mask) (r->o[mask].p != 0)\n",
"#define TG__CU_TILES(back) (256 * 72)\n",
"#endif\n",
"#define TG__CU_LOG2E 1.44269504088896341f\n",
"enum { TG__CU_ATTEND_ROWS = 128, TG__CU_ATTEND_TILE = 64 };\n",
"#line 4763 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void tg__cu_tile_in(const tg__cu_walk *r, int k, int64_t at, int64_t first, int rows, int sixteens, uint16_t *tile) {\n",
"const uint16_t *const p = (const uint16_t *)r->o[k].p + at + first * r->o[k].stride[2];\n",
"const int n = r->o[k].size[2] - first < rows ? (int)(r->o[k].size[2] - first) : rows, columns = (int)r->o[k].size[3];\n",
"const int64_t down = r->o[k].stride[2], right = r->o[k].stride[3];\n",
"if (r->part >> k & 1) {\n",
"TG__CU_THREADS(t) for (int e = t; e < rows * sixteens * 2; e += TG__CU_WIDTH) {\n",
"const int i = e / (sixteens * 2), c = e % (sixteens * 2) * 8, left = i < n ? columns - c : 0;\n",
"tg__cu_copy_16(tile + i * (sixteens * 16 + 8) + c,\n",
"left > 0 ? p + i * down + c : (const uint16_t *)r->o[k].p, left >= 8 ? 16 : left > 0 ? left * 2 : 0);\n",
"}\n",
"} else TG__CU_THREADS(t) TG__CU_ROLL for (int e = t; e < rows * sixteens * 16; e += TG__CU_WIDTH) {\n",
"const int i = e / (sixteens * 16), c = e % (sixteens * 16);\n",
"tile[i * (sixteens * 16 + 8) + c] = (uint16_t)(i < n && c < columns ? p[i * down + c * right] : 0);\n",
"}\n",
"}\n",
"#line 4780 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void tg__cu_draw(const tg__cu_walk *r, int back, int turned, int64_t b, int64_t h, int64_t row,\n",
"int64_t column, int columns, uint8_t *keep) {\n",
"const int lines = turned ? columns : TG__CU_ATTEND_ROWS, n = turned ? TG__CU_ATTEND_ROWS : columns, groups = n / 4 + 1;\n",
"const int64_t q0 = turned ? column : row, k0 = turned ? row : column;\n",
"TG__CU_THREADS(t) TG__CU_ROLL for (int e = t; e < lines * groups; e += TG__CU_WIDTH) {\n",
"const uint64_t from = (uint64_t)(((b * r->o[TG__CU_Q(back)].size[1] + h) * r->o[TG__CU_Q(back)].size[2] + q0\n",
"+ e / groups) * r->o[TG__CU_Q(back) + 1].size[2] + k0), group = from / 4 + (uint64_t)(e % groups);\n",
"uint32_t w[4];\n",
"tg__cu_philox(group, (uint64_t)r->whole[1], (uint64_t)r->whole[2], w);\n",
"TG__CU_UNROLL for (int i = 0; i < 4; i++) {\n",
"const int64_t k = (int64_t)(group * 4 + (uint64_t)i) - (int64_t)from;\n",
"if (k < 0 || k >= n) continue;\n",
"keep[turned ? (int)k * columns + e / groups : e / groups * columns + (int)k] =\n",
"(uint8_t)!((float)(int32_t)(w[i] >> 8) * 5.9604644775390625e-8f < (float)r->numbers[1]);\n",
"}\n",
"}\n",
"}\n",
"#line 4799 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void tg__cu_scores(const tg__cu_walk *r, int back, int turned, int64_t b, int64_t h, int64_t row,\n",
"int64_t column, int columns, TG__CU_OWN(float, s, 32)) {\n",
"const int mask = TG__CU_Q(back) + 3;\n",
"const int64_t queries = r->o[TG__CU_Q(back)].size[2], keys = r->o[TG__CU_Q(back) + 1].size[2], width = turned ? queries : keys;\n",
"const float none = -tg__float(0x7f800000u), scale = (float)r->numbers[0];\n",
"TG__CU_THREADS(t) { TG__CU_UNROLL for (int n = 0; n < columns / 2; n++) TG__CU_MY(s, t)[n] *= scale; }\n",
"if (!TG__CU_MASKED(mask) && column + columns <= width &&\n",
"(!r->whole[0] || (turned ? column >= row + TG__CU_ATTEND_ROWS - 1 : column + columns - 1 <= row)))\n",
"return;\n",
"TG__CU_THREADS(t) {\n",
"const int64_t step = r->o[mask].stride[turned ? 2 : 3];\n",
"int64_t line[2];\n",
"int low[2], high[2];\n",
"TG__CU_UNROLL for (int i = 0; i < 2; i++) {\n",
"const int64_t at = row + t / 32 * 16 + t % 32 / 4 + i * 8;\n",
"int64_t from = 0, to = width - column;\n",
"if (at >= (turned ? keys : queries)) to = 0;\n",
"if (r->whole[0] && turned && at - column > from) from = at - column;\n",
"if (r->whole[0] && !turned && at + 1 - column < to) to = at + 1 - column;\n",
"line[i] = tg__cu_head_at(r, mask, b, h) + column * step + at * r->o[mask].stride[turned ? 3 : 2];\n",
"low[i] = from > columns ? columns : (int)from; high[i] = to > columns ? columns : to < 0 ? 0 : (int)to;\n",
"}\n",
"TG__CU_UNROLL for (int n = 0; n < columns / 2; n++) {\n",
"const int i = n / 2 % 2, c = n / 4 * 8 + t % 4 * 2 + n % 2;\n",
"float v = TG__CU_MY(s, t)[n];\n",
"if (c < low[i] || c >= high[i]) v = none;\n",
"else if (TG__CU_MASKED(mask)) {\n",
"const int64_t at = line[i] + c * step;\n",
"if (TG__CU_D(mask) != 9) v += tg__cu_get_f32(TG__CU_D(mask), r->o[mask].p, at);\n",
"else if (!((const uint8_t *)r->o[mask].p)[at]) v = none;\n",
"}\n",
"TG__CU_MY(s, t)[n] = v;\n",
"}\n",
"}\n",
"}\n",
"#line 4835 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void tg__cu_sums_put(const tg__cu_walk *r, int y, int64_t at, int64_t row, int sixteens, TG__CU_OWN(float, out, 64)) {\n",
"uint16_t *const p = (uint16_t *)r->o[y].p + at;\n",
"const int columns = (int)r->o[y].size[3], pairs = r->part >> y & 1;\n",
"TG__CU_THREADS(t) { TG__CU_UNROLL for (int n = 0; n < sixteens * 4; n++) {\n",
"const int64_t i = row + t / 32 * 16 + t % 32 / 4 + n % 2 * 8;\n",
"const int c = n / 2 * 8 + t % 4 * 2;\n",
"const uint32_t v = tg__cu_pack(TG__CU_D(y), TG__CU_MY(out, t)[2 * n], TG__CU_MY(out, t)[2 * n + 1]);\n",
"if (i >= r->o[y].size[2]) continue;\n",
"if (pairs && c + 1 < columns) { *(uint32_t *)(p + i * r->o[y].stride[2] + c) = v; continue; }\n",
"if (c < columns) p[i * r->o[y].stride[2] + c * r->o[y].stride[3]] = (uint16_t)v;\n",
"if (c + 1 < columns) p[i * r->o[y].stride[2] + (c + 1) * r->o[y].stride[3]] = (uint16_t)(v >> 16);\n",
"} }\n",
"}\n",
"#line 4849 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void tg__cu_rows_in(const uint16_t *tile, int sixteens, TG__CU_OWN(uint32_t, f, 32)) {\n",
"TG__CU_UNROLL for (int d = 0; d < sixteens; d++) TG__CU_FRAGMENT(f, 4 * d, tile, sixteens * 16 + 8, 0, 16, 16 * d, 0, 0);\n",
"}\n",
"#line 4853 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void tg__cu_rows_dot(int dtype, const uint16_t *tile, int rows, int sixteens, TG__CU_OWN(uint32_t, f, 32),\n",
"TG__CU_OWN(float, s, 32)) {\n",
"TG__CU_OWN(uint32_t, two, 4);\n",
"TG__CU_THREADS(t) { TG__CU_UNROLL for (int n = 0; n < rows / 2; n++) TG__CU_MY(s, t)[n] = 0; }\n",
"TG__CU_UNROLL for (int d = 0; d < sixteens; d++) { TG__CU_UNROLL for (int n = 0; n < rows / 16; n++) {\n",
"TG__CU_FRAGMENT(two, 0, tile, sixteens * 16 + 8, 16 * n, 0, 16 * d, 1, 0);\n",
"TG__CU_MMA(dtype, s, 8 * n, f, 4 * d, two, 0);\n",
"TG__CU_MMA(dtype, s, 8 * n + 4, f, 4 * d, two, 2);\n",
"} }\n",
"}\n",
"#line 4864 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void tg__cu_rows_times(int dtype, const uint16_t *tile, int rows, int sixteens,\n",
"TG__CU_OWN(uint32_t, p, 16), TG__CU_OWN(float, out, 64)) {\n",
"TG__CU_OWN(uint32_t, two, 4);\n",
"TG__CU_UNROLL for (int k = 0; k < rows / 16; k++) { TG__CU_UNROLL for (int n = 0; n < sixteens; n++) {\n",
"TG__CU_FRAGMENT(two, 0, tile, sixteens * 16 + 8, 16 * k, 0, 16 * n, 0, 1);\n",
"TG__CU_MMA(dtype, out, 8 * n, p, 4 * k, two, 0);\n",
"TG__CU_MMA(dtype, out, 8 * n + 4, p, 4 * k, two, 2);\n",
"} }\n",
"}\n",
"#line 4875 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void tg__cu_matrix_attended(const tg__cu_walk *r, int64_t block) {\n",
"TG__CU_SHARED_16(tiles, TG__CU_TILES(0));\n",
"TG__CU_SHARED(uint8_t, keep, TG__CU_ATTEND_ROWS * TG__CU_ATTEND_TILE);\n",
"TG__CU_OWN(uint32_t, q, 32);\n",
"TG__CU_OWN(uint32_t, p, 16);\n",
"TG__CU_OWN(float, s, 32);\n",
"TG__CU_OWN(float, out, 64);\n",
"TG__CU_OWN(float, top, 2);\n",
"TG__CU_OWN(float, next, 2);\n",
"TG__CU_OWN(float, sum, 2);\n",
"const int ds = TG__CU_DS(0), es = TG__CU_ES(0), dtype = TG__CU_D(2), drops = TG__CU_DROPS;\n",
"const int64_t rows = (r->o[2].size[2] + TG__CU_ATTEND_ROWS - 1) / TG__CU_ATTEND_ROWS, heads = r->o[2].size[1], keys = r->o[3].size[2];\n",
"#line 4888 \"tensorgrad_cuda.h\"\n",
"const int64_t row = (rows - 1 - block % rows) * TG__CU_ATTEND_ROWS, h = block / rows % heads,\n",
"b = block / rows / heads, hk = h / (heads / r->o[3].size[1]);\n",
"const int64_t k_at = tg__cu_head_at(r, 3, b, hk), v_at = tg__cu_head_at(r, 4, b, hk), end = r->whole[0] &&\n",
"row + TG__CU_ATTEND_ROWS < keys ? row + TG__CU_ATTEND_ROWS : keys;\n",
"uint16_t *const values = tiles + TG__CU_ATTEND_TILE * ((ds > es ? ds : es) * 16 + 8);\n",
"const float none = -tg__float(0x7f800000u);\n",
"int64_t k0;\n",
"TG__CU_THREADS(t) {\n",
"TG__CU_UNROLL for (int n = 0; n < es * 8; n++) TG__CU_MY(out, t)[n] = 0;\n",
"TG__CU_UNROLL for (int i = 0; i < 2; i++) { TG__CU_MY(top, t)[i] = none; TG__CU_MY(sum, t)[i] = 0; }\n",
"}\n",
"tg__cu_tile_in(r, 2, tg__cu_head_at(r, 2, b, h), row, TG__CU_ATTEND_ROWS, ds, tiles);\n",
"TG__CU_ARRIVED\n",
"TG__CU_BARRIER\n",
"tg__cu_rows_in(tiles, ds, q);\n",
"TG__CU_BARRIER\n",
"if (end > 0) tg__cu_tile_in(r, 3, k_at, 0, TG__CU_ATTEND_TILE, ds, tiles);\n",
"for (k0 = 0; k0 < end; k0 += TG__CU_ATTEND_TILE) {\n",
"TG__CU_ARRIVED\n",
"#line 4908 \"tensorgrad_cuda.h\"\n",
"TG__CU_BARRIER\n",
"tg__cu_tile_in(r, 4, v_at, k0, TG__CU_ATTEND_TILE, es, values);\n",
"if (drops) tg__cu_draw(r, 0, 0, b, h, row, k0, TG__CU_ATTEND_TILE, keep);\n",
"tg__cu_rows_dot(dtype, tiles, TG__CU_ATTEND_TILE, ds, q, s);\n",
"TG__CU_ARRIVED\n",
"#line 4914 \"tensorgrad_cuda.h\"\n",
"TG__CU_BARRIER\n",
"if (k0 + TG__CU_ATTEND_TILE < end) tg__cu_tile_in(r, 3, k_at, k0 + TG__CU_ATTEND_TILE, TG__CU_ATTEND_TILE, ds, tiles);\n",
"tg__cu_scores(r, 0, 0, b, h, row, k0, TG__CU_ATTEND_TILE, s);\n",
"TG__CU_THREADS(t) {\n",
"TG__CU_UNROLL for (int i = 0; i < 2; i++) TG__CU_MY(next, t)[i] = TG__CU_MY(top, t)[i];\n",
"TG__CU_UNROLL for (int n = 0; n < 32; n++) TG__CU_MY(next, t)[n / 2 % 2] =\n",
"fmaxf(TG__CU_MY(next, t)[n / 2 % 2], TG__CU_MY(s, t)[n]);\n",
"}\n",
"TG__CU_QUAD_MAX(next, 0)\n",
"TG__CU_QUAD_MAX(next, 1)\n",
"TG__CU_THREADS(t) {\n",
"const float kept = drops ? (float)(r->numbers[1] < 1 ? 1 / (1 - r->numbers[1]) : 0) : 1;\n",
"float from[2], shrink[2];\n",
"TG__CU_UNROLL for (int i = 0; i < 2; i++) {\n",
"#line 4929 \"tensorgrad_cuda.h\"\n",
"from[i] = TG__CU_MY(next, t)[i] == none ? 0 : TG__CU_MY(next, t)[i];\n",
"shrink[i] = tg__cu_exp2((TG__CU_MY(top, t)[i] - from[i]) * TG__CU_LOG2E);\n",
"TG__CU_MY(top, t)[i] = TG__CU_MY(next, t)[i];\n",
"TG__CU_MY(sum, t)[i] *= shrink[i];\n",
"}\n",
"TG__CU_UNROLL for (int n = 0; n < 32; n++) {\n",
"const float v = tg__cu_exp2((TG__CU_MY(s, t)[n] - from[n / 2 % 2]) * TG__CU_LOG2E);\n",
"TG__CU_MY(sum, t)[n / 2 % 2] += v;\n",
"TG__CU_MY(s, t)[n] = !drops ? v\n",
": keep[(t / 32 * 16 + t % 32 / 4 + n / 2 % 2 * 8) * TG__CU_ATTEND_TILE + n / 4 * 8 + t % 4 * 2\n",
"+ n % 2] ? v * kept : 0;\n",
"}\n",
"TG__CU_UNROLL for (int n = 0; n < 16; n++) TG__CU_MY(p, t)[n] = tg__cu_pack(dtype, TG__CU_MY(s, t)[2 * n],\n",
"TG__CU_MY(s, t)[2 * n + 1]);\n",
"TG__CU_UNROLL for (int n = 0; n < es * 8; n++) TG__CU_MY(out, t)[n] *= shrink[n / 2 % 2];\n",
"}\n",
"tg__cu_rows_times(dtype, values, TG__CU_ATTEND_TILE, es, p, out);\n",
"}\n",
"TG__CU_QUAD_SUM(sum, 0)\n",
"TG__CU_QUAD_SUM(sum, 1)\n",
"TG__CU_THREADS(t) {\n",
"float inverse[2];\n",
"TG__CU_UNROLL for (int i = 0; i < 2; i++) {\n",
"const float v = TG__CU_MY(sum, t)[i];\n",
"const int64_t at = row + t / 32 * 16 + t % 32 / 4 + i * 8;\n",
"inverse[i] = v == 0 ? 0 : 1 / v;\n",
"if (t % 4 || at >= r->o[2].size[2]) continue;\n",
"((float *)r->o[1].p)[(b * heads + h) * r->o[2].size[2] + at] = v == 0 ? -none : TG__CU_MY(top, t)[i];\n",
"((float *)r->o[1].p)[r->n + (b * heads + h) * r->o[2].size[2] + at] = inverse[i];\n",
"}\n",
"TG__CU_UNROLL for (int n = 0; n < es * 8; n++) TG__CU_MY(out, t)[n] *= inverse[n / 2 % 2];\n",
"}\n",
"tg__cu_sums_put(r, 0, tg__cu_head_at(r, 0, b, h), row, es, out);\n",
"}\n",
"#line 4965 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void tg__cu_matrix_back(const tg__cu_walk *r, int64_t block, const int which) {\n",
"TG__CU_SHARED_16(tiles, TG__CU_TILES(1));\n",
"TG__CU_SHARED(uint8_t, keep, TG__CU_ATTEND_ROWS * TG__CU_ATTEND_TILE);\n",
"#line 4969 \"tensorgrad_cuda.h\"\n",
"TG__CU_SHARED(float, of, 2 * 3 * TG__CU_ATTEND_TILE);\n",
"TG__CU_OWN(uint32_t, first, 32);\n",
"TG__CU_OWN(uint32_t, second, 32);\n",
"TG__CU_OWN(uint32_t, p, 16);\n",
"TG__CU_OWN(float, s, 32);\n",
"TG__CU_OWN(float, slope, 32);\n",
"TG__CU_OWN(float, out, 64);\n",
"TG__CU_OWN(float, own, 6);\n",
"const int ds = TG__CU_DS(1), es = TG__CU_ES(1), dtype = TG__CU_D(3), drops = TG__CU_DROPS, turned = which > 0,\n",
"through = (ds > es ? ds : es) <= 4 ? 64 : 32;\n",
"const int size = through * ((ds > es ? ds : es) * 16 + 8), wide = which == 2 ? es : ds;\n",
"const int a1 = turned ? 4 : 3, a2 = turned ? 5 : 9, t1 = turned ? 3 : 4, t2 = turned ? 9 : 5;\n",
"const int64_t rows = (r->o[which].size[2] + TG__CU_ATTEND_ROWS - 1) / TG__CU_ATTEND_ROWS, heads = r->o[3].size[1],\n",
"group = heads / r->o[4].size[1], queries = r->o[3].size[2], keys = r->o[4].size[2];\n",
"const int64_t row = (turned ? block % rows : rows - 1 - block % rows) * TG__CU_ATTEND_ROWS,\n",
"head = block / rows % r->o[which].size[1], b = block / rows / r->o[which].size[1];\n",
"const int64_t from = turned && r->whole[0] ? row : 0, end = turned ? queries : r->whole[0] &&\n",
"row + TG__CU_ATTEND_ROWS < keys ? row + TG__CU_ATTEND_ROWS : keys;\n",
"const int64_t each = end > from ? (end - from + through - 1) / through : 0, all = turned ? each * group : each;\n",
"const float none = -tg__float(0x7f800000u), *const rest = (const float *)r->o[8].p, *const sums = (const float *)r->work;\n",
"#line 4990 \"tensorgrad_cuda.h\"\n",
"int64_t i, h = 0, column = 0, next_h = turned ? head * group : head, at = from;\n",
"TG__CU_THREADS(t) {\n",
"TG__CU_UNROLL for (int n = 0; n < wide * 8; n++) TG__CU_MY(out, t)[n] = 0;\n",
"if (!turned) { TG__CU_UNROLL for (int k = 0; k < 2; k++) {\n",
"const int64_t q = row + t / 32 * 16 + t % 32 / 4 + k * 8, at = (b * heads + head) * queries + q;\n",
"TG__CU_MY(own, t)[k] = q < queries ? rest[at] : -none;\n",
"TG__CU_MY(own, t)[2 + k] = q < queries ? rest[r->n + at] : 0;\n",
"TG__CU_MY(own, t)[4 + k] = q < queries ? sums[at] : 0;\n",
"} }\n",
"}\n",
"tg__cu_tile_in(r, a1, tg__cu_head_at(r, a1, b, head), row, TG__CU_ATTEND_ROWS, ds, tiles);\n",
"TG__CU_ARRIVED\n",
"TG__CU_BARRIER\n",
"tg__cu_rows_in(tiles, ds, first);\n",
"TG__CU_BARRIER\n",
"if (which < 2) {\n",
"tg__cu_tile_in(r, a2, tg__cu_head_at(r, a2, b, head), row, TG__CU_ATTEND_ROWS, es, tiles);\n",
"TG__CU_ARRIVED\n",
"TG__CU_BARRIER\n",
"tg__cu_rows_in(tiles, es, second);\n",
"TG__CU_BARRIER\n",
"}\n",
"for (i = -1; i < all; i++) {\n",
"const uint16_t *const one = tiles + (i & 1) * 2 * size, *const two = one + size;\n",
"if (i >= 0) {\n",
"TG__CU_ARRIVED\n",
"#line 5018 \"tensorgrad_cuda.h\"\n",
"TG__CU_BARRIER\n",
"}\n",
"if (i + 1 < all) {\n",
"const int64_t ht = turned ? next_h : next_h / group;\n",
"tg__cu_tile_in(r, t1, tg__cu_head_at(r, t1, b, ht), at, through, ds, tiles + ((i + 1) & 1) * 2 * size);\n",
"tg__cu_tile_in(r, t2, tg__cu_head_at(r, t2, b, ht), at, through, es, tiles + ((i + 1) & 1) * 2 * size + size);\n",
"if (turned) TG__CU_THREADS(t) if (t < through) {\n",
"float *const to = of + ((i + 1) & 1) * 3 * TG__CU_ATTEND_TILE + t;\n",
"const int64_t q = at + t, n = (b * heads + next_h) * queries + q;\n",
"to[0] = q < queries ? rest[n] : -none;\n",
"to[TG__CU_ATTEND_TILE] = q < queries ? rest[r->n + n] : 0;\n",
"to[2 * TG__CU_ATTEND_TILE] = q < queries ? sums[n] : 0;\n",
"}\n",
"}\n",
"if (i >= 0) {\n",
"if (drops) {\n",
"tg__cu_draw(r, 1, turned, b, h, row, column, through, keep);\n",
"TG__CU_BARRIER\n",
"}\n",
"tg__cu_rows_dot(dtype, one, through, ds, first, s);\n",
"if (which < 2) tg__cu_rows_dot(dtype, two, through, es, second, slope);\n",
"tg__cu_scores(r, 1, turned, b, h, row, column, through, s);\n",
"TG__CU_THREADS(t) {\n",
"const float *const known = of + (i & 1) * 3 * TG__CU_ATTEND_TILE + t % 4 * 2;\n",
"const float kept = drops ? (float)(r->numbers[1] < 1 ? 1 / (1 - r->numbers[1]) : 0) : 1, scale = (float)r->numbers[0];\n",
"TG__CU_UNROLL for (int n = 0; n < through / 2; n++) {\n",
"const int k = n / 2 % 2, c = n / 4 * 8 + n % 2;\n",
"const float top = turned ? known[c] : TG__CU_MY(own, t)[k],\n",
"inverse = turned ? known[TG__CU_ATTEND_TILE + c] : TG__CU_MY(own, t)[2 + k],\n",
"sum = turned ? known[2 * TG__CU_ATTEND_TILE + c] : TG__CU_MY(own, t)[4 + k];\n",
"const float factor = !drops ? 1 : keep[(t / 32 * 16 + t % 32 / 4 + k * 8) * through + c + t % 4 * 2] ? kept : 0;\n",
"const float v = tg__cu_exp2((TG__CU_MY(s, t)[n] - top) * TG__CU_LOG2E) * inverse;\n",
"TG__CU_MY(s, t)[n] = which == 2 ? v * factor : v * scale * (TG__CU_MY(slope, t)[n] * factor - sum);\n",
"}\n",
"TG__CU_UNROLL for (int n = 0; n < through / 4; n++) TG__CU_MY(p, t)[n] = tg__cu_pack(dtype,\n",
"TG__CU_MY(s, t)[2 * n], TG__CU_MY(s, t)[2 * n + 1]);\n",
"}\n",
"tg__cu_rows_times(dtype, which == 2 ? two : one, through, wide, p, out);\n",
"}\n",
"h = next_h; column = at; at += through;\n",
"if (at >= end) { at = from; next_h++; }\n",
"}\n",
"tg__cu_sums_put(r, which, tg__cu_head_at(r, which, b, head), row, wide, out);\n",
"}\n",
"#if !defined(TG__CU_KIND) || !(TG__CU_PART & 2)\n",
"TG__CU_KERNEL(tg__cu_attend_matrix_f32, tg__cu_walk, tg__cu_matrix_attended(r, block))\n",
"#endif\n",
"#if !defined(TG__CU_KIND) || (TG__CU_PART & 2)\n",
"TG__CU_KERNEL(tg__cu_attend_matrix_dq_f32, tg__cu_walk, tg__cu_matrix_back(r, block, 0))\n",
"TG__CU_KERNEL(tg__cu_attend_matrix_dk_f32, tg__cu_walk, tg__cu_matrix_back(r, block, 1))\n",
"TG__CU_KERNEL(tg__cu_attend_matrix_dv_f32, tg__cu_walk, tg__cu_matrix_back(r, block, 2))\n",
"#endif\n",
"#endif\n",
"#line 5072 \"tensorgrad_cuda.h\"\n",
"#if !defined(TG__CU_ONLY) || defined(TG__CU_ONLY_RESAMPLE) || defined(TG__CU_ONLY_GRID) || defined(TG__CU_ONLY_BOXES)\n",
"#ifndef TG__CU_PLACES_TOLD\n",
"#define TG__CU_PLACES_TOLD\n",
"#line 1 \"tensorgrad.h, from the line 'typedef enum tg_grid_mode' on\"\n",
"typedef enum tg_grid_mode { TG_GRID_BILINEAR = 0, TG_GRID_NEAREST, TG_GRID_BICUBIC } tg_grid_mode;\n",
"typedef enum tg_grid_padding { TG_GRID_ZEROS = 0, TG_GRID_BORDER, TG_GRID_REFLECTION } tg_grid_padding;\n",
"#line 1 \"tensorgrad.h, from the line 'TG__PRIVATE int64_t tg__imin' on\"\n",
"TG__PRIVATE int64_t tg__imin(int64_t a, int64_t b) { return a < b ? a : b; }\n",
"TG__PRIVATE int64_t tg__imax(int64_t a, int64_t b) { return a > b ? a : b; }\n",
"TG__PRIVATE double tg__rounded(bool wide, double v) { return wide ? v : (double)(float)v; }\n",
"#line 1 \"tensorgrad.h, from the line 'TG__PRIVATE bool tg__is_nan' on\"\n",
"TG__PRIVATE bool tg__is_nan(double v) { return (tg__bits64(v) & 0x7fffffffffffffffu) > 0x7ff0000000000000u; }\n",
"TG__PRIVATE bool tg__is_finite(double v) { return (tg__bits64(v) & 0x7ff0000000000000u) != 0x7ff0000000000000u; }\n",
"TG__PRIVATE double tg__nan(void) { return tg__double(0x7ff8000000000000u); }\n",
"#line 1 \"tensorgrad.h, from the line 'TG__PRIVATE double tg__floor' on\"\n",
"TG__PRIVATE double tg__floor(double v) { const double t = tg__trunc64(v); return t > v ? t - 1 : t; }\n",
"#line 1 \"tensorgrad.h, from the line 'TG__PRIVATE uint8_t tg__resize_byte' on\"\n",
"TG__PRIVATE uint8_t tg__resize_byte(int64_t sum, int bits) {\n",
"sum = (sum + ((int64_t)1 << (bits - 1))) >> bits;\n",
"return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);\n",
"}\n",
"#line 2 \"tensorgrad.h, from the line '/* ---- places of a grid' on\"\n",
"typedef struct tg__grid_rule { int mode, padding; bool align, wide; } tg__grid_rule;\n",
"typedef struct tg__grid_taps { int64_t at[4]; double w[4]; } tg__grid_taps;\n",
"TG__CU_TABLE const double tg__grid_cubic[4][4] = { { 0, -0.75, 1.5, -0.75 }, { 1, 0, -2.25, 1.25 }, { 0, 0.75, 1.5, -1.25 },\n",
"{ 0, 0, -0.75, 0.75 } };\n",
"#line 8 \"tensorgrad.h, from the line '/* ---- places of a grid' on\"\n",
"TG__PRIVATE double tg__grid_inside(const tg__grid_rule *j, double v, int64_t size, double *slope) {\n",
"const double top = (double)(size - 1);\n",
"if (j->padding == TG_GRID_ZEROS) return v;\n",
"if (j->padding == TG_GRID_REFLECTION) {\n",
"const double low = j->align ? 0 : -0.5, span = j->align ? top : (double)size;\n",
"if (span > 0) {\n",
"double apart = v - low, turns;\n",
"if (apart < 0) { apart = -apart; *slope = -*slope; }\n",
"turns = tg__floor(apart / span);\n",
"apart -= turns * span;\n",
"if (turns - 2 * tg__floor(turns / 2) > 0) { apart = span - apart; *slope = -*slope; }\n",
"v = apart + low;\n",
"} else { v = 0; *slope = 0; }\n",
"}\n",
"if (!(v > 0)) { *slope = 0; return 0; }\n",
"if (v >= top) { *slope = 0; return top; }\n",
"return v;\n",
"}\n",
"#line 27 \"tensorgrad.h, from the line '/* ---- places of a grid' on\"\n",
"TG__PRIVATE double tg__grid_polynomial(const double *p, double t, int64_t order) {\n",
"double sum = 0;\n",
"for (int64_t k = 3; k >= order; k--) {\n",
"double c = p[k];\n",
"for (int64_t i = 0; i < order; i++) c *= (double)(k - i);\n",
"sum = sum * t + c;\n",
"}\n",
"return sum;\n",
"}\n",
"#line 37 \"tensorgrad.h, from the line '/* ---- places of a grid' on\"\n",
"TG__PRIVATE int tg__grid_line(const tg__grid_rule *j, double v, int64_t size, int64_t order, tg__grid_taps *t) {\n",
"const bool is_cubic = j->mode == TG_GRID_BICUBIC;\n",
"const int n = j->mode == TG_GRID_NEAREST ? 1 : is_cubic ? 4 : 2;\n",
"const double full = (double)(j->align ? size - 1 : size);\n",
"double slope = full / 2, place, part, none = 1;\n",
"#line 43 \"tensorgrad.h, from the line '/* ---- places of a grid' on\"\n",
"if (j->wide) place = j->align ? (v + 1) / 2 * full : ((v + 1) * full - 1) / 2;\n",
"else {\n",
"const float one = (float)v + 1, all = (float)full, product = j->align ? one / 2 * all : one * all;\n",
"place = (double)(j->align ? product : (product - 1) / 2);\n",
"}\n",
"if (!is_cubic) place = tg__grid_inside(j, place, size, &slope);\n",
"if (!tg__is_finite(place)) {\n",
"for (int k = 0; k < n; k++) { t->at[k] = -1; t->w[k] = n == 1 ? 0 : tg__nan(); }\n",
"return n;\n",
"}\n",
"part = n == 1 ? tg__round64(place) : tg__floor(place);\n",
"for (int k = 0; k < n; k++) {\n",
"double at = part + (double)(k - is_cubic);\n",
"if (is_cubic) {\n",
"at = tg__grid_inside(j, at, size, &none);\n",
"t->w[k] = tg__grid_polynomial(tg__grid_cubic[k], place - part, order);\n",
"for (int64_t i = 0; i < order; i++) t->w[k] *= slope;\n",
"}\n",
"t->at[k] = at >= 0 && at <= (double)(size - 1) ? (int64_t)at : -1;\n",
"}\n",
"if (n == 1) t->w[0] = order == 0;\n",
"if (n == 2) {\n",
"t->w[1] = order == 0 ? place - part : order == 1 ? slope : 0;\n",
"t->w[0] = order == 0 ? 1 - t->w[1] : -t->w[1];\n",
"}\n",
"return n;\n",
"}\n",
"#line 2 \"tensorgrad.h, from the line '/* ---- places of boxes' on\"\n",
"typedef struct tg__boxes_rule {\n",
"bool    aligned, wide;\n",
"int64_t ratio, bins[2], size[2];\n",
"double  scale;\n",
"} tg__boxes_rule;\n",
"typedef struct tg__box { double start[2], bin[2]; int64_t points[2]; } tg__box;\n",
"typedef struct tg__box_point { int64_t at[2]; double w[2]; } tg__box_point;\n",
"#line 11 \"tensorgrad.h, from the line '/* ---- places of boxes' on\"\n",
"TG__PRIVATE tg__box tg__boxes_box(const tg__boxes_rule *j, const double *row) {\n",
"tg__box b;\n",
"for (int k = 0; k < 2; k++) {\n",
"const double offset = j->aligned ? 0.5 : 0, end = tg__rounded(j->wide, tg__rounded(j->wide, row[4 - k] * j->scale) - offset);\n",
"double length, points;\n",
"b.start[k] = tg__rounded(j->wide, tg__rounded(j->wide, row[2 - k] * j->scale) - offset);\n",
"length = tg__rounded(j->wide, end - b.start[k]);\n",
"if (!j->aligned && !(length > 1)) length = 1;\n",
"b.bin[k] = tg__rounded(j->wide, length / (double)j->bins[k]);\n",
"points = -tg__floor(-b.bin[k]);\n",
"b.points[k] = !tg__is_finite(points) || points > 9e15 ? 0 : j->ratio > 0 ? j->ratio : points > 0 ? (int64_t)points : 0;\n",
"}\n",
"return b;\n",
"}\n",
"#line 26 \"tensorgrad.h, from the line '/* ---- places of boxes' on\"\n",
"TG__PRIVATE void tg__boxes_range(const tg__box *b, int k, int64_t bin, double low, double high, int64_t *from, int64_t *end) {\n",
"const double all = (double)b->points[k], step = b->bin[k] / all, start = b->start[k] + (double)bin * b->bin[k];\n",
"*from = 0; *end = b->points[k];\n",
"if (!(step > 0)) return;\n",
"low = tg__floor((low - start) / step) - 2; high = tg__floor((high - start) / step) + 2;\n",
"if (low > 0) *from = (int64_t)(low < all ? low : all);\n",
"if (high < all) *end = (int64_t)(high > 0 ? high : 0);\n",
"}\n",
"#line 35 \"tensorgrad.h, from the line '/* ---- places of boxes' on\"\n",
"TG__PRIVATE bool tg__boxes_point(const tg__boxes_rule *j, const tg__box *b, int k, int64_t bin, int64_t i, tg__box_point *p) {\n",
"const int64_t size = j->size[k];\n",
"double v = b->start[k] + (double)bin * b->bin[k] + ((double)i + 0.5) * b->bin[k] / (double)b->points[k];\n",
"if (!(v >= -1 && v <= (double)size)) return false;\n",
"if (v < 0) v = 0;\n",
"p->at[0] = tg__imin((int64_t)v, size - 1); p->at[1] = tg__imin(p->at[0] + 1, size - 1);\n",
"p->w[1] = p->at[1] == p->at[0] ? 0 : v - (double)p->at[0];\n",
"p->w[0] = 1 - p->w[1];\n",
"return true;\n",
"}\n",
"#line 46 \"tensorgrad.h, from the line '/* ---- places of boxes' on\"\n",
"TG__PRIVATE double tg__boxes_share(const tg__box *b) {\n",
"const double many = (double)b->points[0] * (double)b->points[1];\n",
"return many > 1 ? 1 / many : 1;\n",
"}\n",
"#line 5077 \"tensorgrad_cuda.h\"\n",
"#endif\n",
"#endif\n",
"#if !defined(TG__CU_ONLY) || defined(TG__CU_ONLY_RESAMPLE)\n",
"#line 5081 \"tensorgrad_cuda.h\"\n",
"#ifndef TG__CU_TAPS\n",
"#define TG__CU_TAPS\n",
"typedef struct tg__cu_taps { int64_t first, count; const double *weight; const int32_t *whole; } tg__cu_taps;\n",
"#line 5085 \"tensorgrad_cuda.h\"\n",
"TG__INLINE tg__cu_taps tg__cu_taps_of(const tg__cu_walk *r, int d, int64_t i) {\n",
"const int64_t *const first = (const int64_t *)(r->work + r->whole[2 * d]), n = r->shape[2 + d];\n",
"tg__cu_taps t;\n",
"t.first = first[i]; t.count = first[n + i];\n",
"t.weight = (const double *)(first + 2 * n) + i * r->whole[2 * d + 1];\n",
"t.whole = (const int32_t *)(first + 2 * n) + i * r->whole[2 * d + 1];\n",
"return t;\n",
"}\n",
"#endif\n",
"#if TG__CU_TYPE == 0\n",
"TG__INLINE void tg__cu_picked(const tg__cu_walk *r, int64_t i) {\n",
"TG__CU_POSITION\n",
"tg__cu_move((int)r->length, r->o[0].p, TG__CU_TO(0), r->o[1].p,\n",
"p[0] * r->o[1].stride[0] + p[1] * r->o[1].stride[1] + tg__cu_taps_of(r, 0, p[2]).first * r->o[1].stride[2] +\n",
"tg__cu_taps_of(r, 1, p[3]).first * r->o[1].stride[3] + tg__cu_taps_of(r, 2, p[4]).first * r->o[1].stride[4]);\n",
"}\n",
"#line 5102 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void tg__cu_resized_byte(const tg__cu_walk *r, int64_t i) {\n",
"TG__CU_POSITION\n",
"const tg__cu_taps h = tg__cu_taps_of(r, 1, p[3]), w = tg__cu_taps_of(r, 2, p[4]);\n",
"const uint8_t *const x = (const uint8_t *)r->o[1].p + p[0] * r->o[1].stride[0] + p[1] * r->o[1].stride[1];\n",
"int32_t sum = 0;\n",
"for (int64_t b = 0; b < h.count; b++) {\n",
"const uint8_t *const line = x + (h.first + b) * r->o[1].stride[3] + w.first * r->o[1].stride[4];\n",
"int32_t row = 0;\n",
"for (int64_t c = 0; c < w.count; c++) row += w.whole[c] * line[c * r->o[1].stride[4]];\n",
"sum += h.whole[b] * tg__resize_byte(row, (int)r->whole[8]);\n",
"}\n",
"((uint8_t *)r->o[0].p)[TG__CU_TO(0)] = tg__resize_byte(sum, (int)r->whole[7]);\n",
"}\n",
"TG__CU_KERNEL(tg__cu_resample_pick_i64, tg__cu_walk, { TG__CU_THREADS(t) TG__CU_EACH(i) tg__cu_picked(r, i); })\n",
"TG__CU_KERNEL(tg__cu_resample_bytes_i64, tg__cu_walk, { TG__CU_THREADS(t) TG__CU_EACH(i) tg__cu_resized_byte(r, i); })\n",
"#else\n",
"TG__INLINE void TG__CU(tg__cu_resampled)(const tg__cu_walk *r, int64_t i) {\n",
"TG__CU_POSITION\n",
"const tg__cu_taps d = tg__cu_taps_of(r, 0, p[2]), h = tg__cu_taps_of(r, 1, p[3]), w = tg__cu_taps_of(r, 2, p[4]);\n",
"const int64_t x = p[0] * r->o[1].stride[0] + p[1] * r->o[1].stride[1];\n",
"TG__T sum = 0;\n",
"for (int64_t a = 0; a < d.count; a++) for (int64_t b = 0; b < h.count; b++) {\n",
"const int64_t line = x + (d.first + a) * r->o[1].stride[2] + (h.first + b) * r->o[1].stride[3];\n",
"TG__T row = 0;\n",
"for (int64_t c = 0; c < w.count; c++)\n",
"row += (TG__T)w.weight[c] * TG__CU(tg__cu_get)(TG__CU_D(1), r->o[1].p, line + (w.first + c) * r->o[1].stride[4]);\n",
"sum += (TG__T)(d.weight[a] * h.weight[b]) * row;\n",
"}\n",
"TG__CU(tg__cu_put)(TG__CU_D(0), r->o[0].p, TG__CU_TO(0), sum);\n",
"}\n",
"TG__CU_KERNEL(TG__CU(tg__cu_resample), tg__cu_walk, { TG__CU_THREADS(t) TG__CU_EACH(i) TG__CU(tg__cu_resampled)(r, i); })\n",
"#endif\n",
"#endif\n",
"#line 5136 \"tensorgrad_cuda.h\"\n",
"#if (!defined(TG__CU_ONLY) || defined(TG__CU_ONLY_GRID)) && TG__CU_TYPE != 0\n",
"#line 5139 \"tensorgrad_cuda.h\"\n",
"typedef struct TG__CU(tg__cu_tapped) { tg__grid_taps line[3], more[3]; int many[3]; } TG__CU(tg__cu_tapped);\n",
"#line 5141 \"tensorgrad_cuda.h\"\n",
"TG__NOINLINE void TG__CU(tg__cu_look_up)(const tg__cu_walk *r, int64_t n, int64_t q, int more, TG__CU(tg__cu_tapped) *to) {\n",
"const TG__T *const grid = (const TG__T *)r->o[2].p + n * r->o[2].stride[0] + tg__cu_offset(3, r->shape + 1, r->o[2].stride + 1, q);\n",
"const int flat = r->o[2].size[4] == 2;\n",
"tg__grid_rule rule;\n",
"rule.mode = (int)r->whole[0]; rule.padding = (int)r->whole[1]; rule.align = r->whole[2] != 0; rule.wide = sizeof(TG__T) == 8;\n",
"to->line[0].at[0] = 0; to->line[0].w[0] = to->more[0].w[0] = 1; to->many[0] = 1;\n",
"TG__CU_ROLL for (int k = flat; k < 3; k++) {\n",
"const double v = (double)grid[(2 - k) * r->o[2].stride[4]];\n",
"to->many[k] = tg__grid_line(&rule, v, r->o[0].size[2 + k], r->whole[3 + k], &to->line[k]);\n",
"if (more) (void)tg__grid_line(&rule, v, r->o[0].size[2 + k], r->whole[3 + k] + 1, &to->more[k]);\n",
"}\n",
"}\n",
"#line 5154 \"tensorgrad_cuda.h\"\n",
"#define TG__CU_TAPS_OF(s) for (int e = 0; e < (s).many[0]; e++) for (int f = 0; f < (s).many[1]; f++) for (int k = 0; k < (s).many[2]; k++)\n",
"#define TG__CU_TAP_IN(s) ((s).line[0].at[e] >= 0 && (s).line[1].at[f] >= 0 && (s).line[2].at[k] >= 0)\n",
"#define TG__CU_TAP_AT(s, step) ((s).line[0].at[e] * (step)[0] + (s).line[1].at[f] * (step)[1] + (s).line[2].at[k] * (step)[2])\n",
"#line 5158 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void TG__CU(tg__cu_gridded)(const tg__cu_walk *r, int64_t i) {\n",
"const int64_t q = i % r->length, first = i / r->length % r->pieces * r->piece, n = i / r->length / r->pieces,\n",
"end = first + r->piece < r->o[0].size[1] ? first + r->piece : r->o[0].size[1];\n",
"const TG__T *x = (const TG__T *)r->o[0].p + n * r->o[0].stride[0] + first * r->o[0].stride[1];\n",
"TG__T *y = (TG__T *)r->o[1].p + n * r->o[1].stride[0] + first * r->o[1].stride[1] + tg__cu_offset(3, r->shape + 1,\n",
"r->o[1].stride + 2, q);\n",
"TG__CU(tg__cu_tapped) s;\n",
"int64_t at[64];\n",
"TG__T w[64];\n",
"int taps = 0, out = 0;\n",
"TG__CU(tg__cu_look_up)(r, n, q, 0, &s);\n",
"TG__CU_TAPS_OF(s) {\n",
"at[taps] = TG__CU_TAP_IN(s) ? TG__CU_TAP_AT(s, r->o[0].stride + 2) : INT64_MIN;\n",
"out |= at[taps] == INT64_MIN;\n",
"w[taps++] = (TG__T)(s.line[0].w[e] * s.line[1].w[f] * s.line[2].w[k]);\n",
"}\n",
"if (taps == 4 && !out) {\n",
"const TG__T w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3];\n",
"const int64_t a0 = at[0], a1 = at[1], a2 = at[2], a3 = at[3];\n",
"for (int64_t c = first; c < end; c++, x += r->o[0].stride[1], y += r->o[1].stride[1])\n",
"*y = (w0 * x[a0] + w1 * x[a1]) + (w2 * x[a2] + w3 * x[a3]);\n",
"} else for (int64_t c = first; c < end; c++, x += r->o[0].stride[1], y += r->o[1].stride[1]) {\n",
"TG__T sum = 0;\n",
"for (int k = 0; k < taps; k++) sum += w[k] * (at[k] != INT64_MIN ? x[at[k]] : 0);\n",
"*y = sum;\n",
"}\n",
"}\n",
"#line 5187 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void TG__CU(tg__cu_grid_listed)(const tg__cu_walk *r, int64_t i) {\n",
"const int64_t step[3] = { r->o[0].size[3] * r->o[0].size[4], r->o[0].size[4], 1 }, none = r->o[0].size[2] * step[0];\n",
"int64_t *element = (int64_t *)r->work + 2 * r->whole[7] + i * r->part;\n",
"TG__T *w = (TG__T *)((int64_t *)r->work + 3 * r->whole[7]) + i * r->part;\n",
"TG__CU(tg__cu_tapped) s;\n",
"TG__CU(tg__cu_look_up)(r, r->whole[6] + i / r->length, i % r->length, 0, &s);\n",
"TG__CU_TAPS_OF(s) {\n",
"*element++ = TG__CU_TAP_IN(s) ? TG__CU_TAP_AT(s, step) : none;\n",
"*w++ = (TG__T)(s.line[0].w[e] * s.line[1].w[f] * s.line[2].w[k]);\n",
"}\n",
"}\n",
"#line 5199 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void TG__CU(tg__cu_grid_given)(const tg__cu_walk *r, int64_t i) {\n",
"const int64_t size = r->o[0].size[2] * r->o[0].size[3] * r->o[0].size[4], q = i % size,\n",
"image = i / size / r->pieces, n = r->whole[6] + image, entries = r->length * r->part;\n",
"const int64_t *const sorted = (const int64_t *)r->work + image * entries, *const entry = sorted + r->whole[7];\n",
"const TG__T *const w = (const TG__T *)((const int64_t *)r->work + 3 * r->whole[7]) + image * entries;\n",
"int64_t c = i / size % r->pieces * r->piece, low = 0, high = entries;\n",
"const int64_t end = c + r->piece < r->o[0].size[1] ? c + r->piece : r->o[0].size[1];\n",
"while (low < high) {\n",
"const int64_t mid = (low + high) / 2;\n",
"if (sorted[mid] < q) low = mid + 1; else high = mid;\n",
"}\n",
"for (; c < end; c += 4) {\n",
"const TG__T *const g = (const TG__T *)r->o[1].p + n * r->o[1].stride[0] + c * r->o[1].stride[1];\n",
"TG__T *const to = (TG__T *)r->o[0].p + n * r->o[0].stride[0] + c * r->o[0].stride[1] + tg__cu_offset(3,\n",
"r->o[0].size + 2, r->o[0].stride + 2, q);\n",
"TG__T sum[4] = { 0, 0, 0, 0 };\n",
"int u;\n",
"for (int64_t e = low; e < entries && sorted[e] == q; e++) {\n",
"const int64_t at = tg__cu_offset(3, r->shape + 1, r->o[1].stride + 2, entry[e] / r->part);\n",
"const TG__T weight = w[entry[e]];\n",
"TG__CU_UNROLL for (u = 0; u < 4; u++) if (c + u < end) sum[u] += weight * g[at + u * r->o[1].stride[1]];\n",
"}\n",
"TG__CU_UNROLL for (u = 0; u < 4; u++) if (c + u < end) to[u * r->o[0].stride[1]] = sum[u];\n",
"}\n",
"}\n",
"#line 5225 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void TG__CU(tg__cu_grid_placed)(const tg__cu_walk *r, int64_t i) {\n",
"const int64_t n = i / r->length, q = i % r->length;\n",
"const TG__T *const g = (const TG__T *)r->o[1].p + n * r->o[1].stride[0] + tg__cu_offset(3, r->shape + 1,\n",
"r->o[1].stride + 2, q), *const x = (const TG__T *)r->o[0].p + n * r->o[0].stride[0];\n",
"TG__T *const to = (TG__T *)r->o[3].p + n * r->o[3].stride[0] + tg__cu_offset(3, r->shape + 1, r->o[3].stride + 1, q);\n",
"TG__CU(tg__cu_tapped) s;\n",
"double total[3] = { 0, 0, 0 };\n",
"TG__CU(tg__cu_look_up)(r, n, q, 1, &s);\n",
"TG__CU_TAPS_OF(s) {\n",
"double sum = 0;\n",
"if (TG__CU_TAP_IN(s)) {\n",
"const TG__T *at = x + TG__CU_TAP_AT(s, r->o[0].stride + 2);\n",
"for (int64_t c = 0; c < r->o[0].size[1]; c++) sum += (double)g[c * r->o[1].stride[1]] * (double)at[c * r->o[0].stride[1]];\n",
"}\n",
"total[0] += s.more[0].w[e] * s.line[1].w[f] * s.line[2].w[k] * sum;\n",
"total[1] += s.line[0].w[e] * s.more[1].w[f] * s.line[2].w[k] * sum;\n",
"total[2] += s.line[0].w[e] * s.line[1].w[f] * s.more[2].w[k] * sum;\n",
"}\n",
"for (int d = r->o[2].size[4] == 2; d < 3; d++) to[(2 - d) * r->o[3].stride[4]] = (TG__T)total[d];\n",
"}\n",
"#undef TG__CU_TAPS_OF\n",
"#undef TG__CU_TAP_IN\n",
"#undef TG__CU_TAP_AT\n",
"TG__CU_KERNEL(TG__CU(tg__cu_grid), tg__cu_walk, { TG__CU_THREADS(t) TG__CU_EACH(i) TG__CU(tg__cu_gridded)(r, i); })\n",
"TG__CU_KERNEL(TG__CU(tg__cu_grid_entries), tg__cu_walk, { TG__CU_THREADS(t) TG__CU_EACH(i) TG__CU(tg__cu_grid_listed)(r, i); })\n",
"TG__CU_KERNEL(TG__CU(tg__cu_grid_back), tg__cu_walk, { TG__CU_THREADS(t) TG__CU_EACH(i) TG__CU(tg__cu_grid_given)(r, i); })\n",
"TG__CU_KERNEL(TG__CU(tg__cu_grid_place), tg__cu_walk, { TG__CU_THREADS(t) TG__CU_EACH(i) TG__CU(tg__cu_grid_placed)(r, i); })\n",
"#endif\n",
"#line 5254 \"tensorgrad_cuda.h\"\n",
"#if (!defined(TG__CU_ONLY) || defined(TG__CU_ONLY_BOXES)) && TG__CU_TYPE != 0\n",
"#line 5256 \"tensorgrad_cuda.h\"\n",
"TG__INLINE tg__boxes_rule TG__CU(tg__cu_boxes_rule)(const tg__cu_walk *r) {\n",
"tg__boxes_rule rule;\n",
"rule.ratio = r->whole[0]; rule.aligned = r->whole[1] != 0; rule.wide = sizeof(TG__T) == 8; rule.scale = r->numbers[0];\n",
"for (int k = 0; k < 2; k++) { rule.bins[k] = r->o[1].size[3 + k]; rule.size[k] = r->o[0].size[3 + k]; }\n",
"return rule;\n",
"}\n",
"TG__INLINE tg__box TG__CU(tg__cu_box_of)(const tg__cu_boxed *b) {\n",
"tg__box box;\n",
"for (int k = 0; k < 2; k++) { box.start[k] = b->start[k]; box.bin[k] = b->bin[k]; box.points[k] = b->points[k]; }\n",
"return box;\n",
"}\n",
"TG__INLINE void TG__CU(tg__cu_boxes_looked)(const tg__cu_walk *r, int64_t i) {\n",
"const tg__boxes_rule rule = TG__CU(tg__cu_boxes_rule)(r);\n",
"tg__cu_boxed *const b = (tg__cu_boxed *)r->work + i;\n",
"double row[5];\n",
"tg__box box;\n",
"for (int k = 0; k < 5; k++) row[k] = (double)((const TG__T *)r->o[2].p)[i * r->o[2].stride[0] + k * r->o[2].stride[1]];\n",
"if (!(row[0] > -1 && row[0] < (double)r->o[0].size[0])) { TG__CU_FLAG(r->flag, 16u); b->picture = -1; return; }\n",
"box = tg__boxes_box(&rule, row);\n",
"b->picture = (int64_t)row[0]; b->share = tg__boxes_share(&box);\n",
"for (int k = 0; k < 2; k++) {\n",
"const double one = box.start[k], other = one + (double)rule.bins[k] * box.bin[k],\n",
"from = tg__floor(one < other ? one : other) - 1, to = tg__floor(one < other ? other : one) + 2,\n",
"size = (double)rule.size[k];\n",
"b->start[k] = one; b->bin[k] = box.bin[k]; b->points[k] = box.points[k];\n",
"b->low[k] = 1; b->high[k] = 0;\n",
"if (from <= to) {\n",
"b->low[k] = (int64_t)(from < -2 ? -2 : from > size ? size : from);\n",
"b->high[k] = (int64_t)(to < -2 ? -2 : to > size ? size : to);\n",
"}\n",
"}\n",
"}\n",
"#line 5289 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void TG__CU(tg__cu_boxes_met)(const tg__cu_walk *r, int64_t i) {\n",
"const tg__boxes_rule rule = TG__CU(tg__cu_boxes_rule)(r);\n",
"const int64_t bin_w = i % rule.bins[1], bin_h = i / rule.bins[1] % rule.bins[0],\n",
"c = i / rule.bins[1] / rule.bins[0] % r->pieces * TG__CU_BOX_CHANNELS,\n",
"at = i / rule.bins[1] / rule.bins[0] / r->pieces;\n",
"const tg__cu_boxed *const b = (const tg__cu_boxed *)r->work + at;\n",
"const tg__box box = TG__CU(tg__cu_box_of)(b);\n",
"const int64_t *const xs = r->o[0].stride, *const ys = r->o[1].stride, many = r->o[0].size[1] - c;\n",
"const TG__T *const x = (const TG__T *)r->o[0].p + b->picture * xs[0] + c * xs[1];\n",
"TG__T *const y = (TG__T *)r->o[1].p + at * ys[0] + c * ys[1] + bin_h * ys[3] + bin_w * ys[4];\n",
"double sum[TG__CU_BOX_CHANNELS];\n",
"int64_t first[2], end[2], e, f;\n",
"tg__box_point h, w;\n",
"int u;\n",
"if (b->picture < 0) return;\n",
"TG__CU_UNROLL for (u = 0; u < TG__CU_BOX_CHANNELS; u++) sum[u] = 0;\n",
"tg__boxes_range(&box, 0, bin_h, -1, (double)rule.size[0], &first[0], &end[0]);\n",
"tg__boxes_range(&box, 1, bin_w, -1, (double)rule.size[1], &first[1], &end[1]);\n",
"for (e = first[0]; e < end[0]; e++) {\n",
"if (!tg__boxes_point(&rule, &box, 0, bin_h, e, &h)) continue;\n",
"for (f = first[1]; f < end[1]; f++) {\n",
"if (!tg__boxes_point(&rule, &box, 1, bin_w, f, &w)) continue;\n",
"for (int k = 0; k < 4; k++) {\n",
"const double weight = h.w[k / 2] * w.w[k % 2] * b->share;\n",
"const TG__T *const p = x + h.at[k / 2] * xs[3] + w.at[k % 2] * xs[4];\n",
"if (weight > 0 || weight < 0) {\n",
"TG__CU_UNROLL for (u = 0; u < TG__CU_BOX_CHANNELS; u++) if (u < many) sum[u] += weight * (double)p[u * xs[1]];\n",
"}\n",
"}\n",
"}\n",
"}\n",
"TG__CU_UNROLL for (u = 0; u < TG__CU_BOX_CHANNELS; u++) if (u < many) y[u * ys[1]] = (TG__T)sum[u];\n",
"}\n",
"#line 5323 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void TG__CU(tg__cu_boxes_given)(const tg__cu_walk *r, int64_t i) {\n",
"const tg__boxes_rule rule = TG__CU(tg__cu_boxes_rule)(r);\n",
"const int64_t place[2] = { i / rule.size[1] % rule.size[0], i % rule.size[1] },\n",
"c = i / rule.size[1] / rule.size[0] % r->pieces * TG__CU_BOX_CHANNELS,\n",
"n = i / rule.size[1] / rule.size[0] / r->pieces;\n",
"const int64_t *const xs = r->o[0].stride, *const ys = r->o[1].stride, many = r->o[0].size[1] - c;\n",
"TG__T *const x = (TG__T *)r->o[0].p + n * xs[0] + c * xs[1] + place[0] * xs[3] + place[1] * xs[4];\n",
"double low[2], high[2];\n",
"TG__T sum[TG__CU_BOX_CHANNELS];\n",
"int64_t at, e, f, first[2], end[2], bin[2];\n",
"tg__box_point h, w;\n",
"int u, k;\n",
"#line 5336 \"tensorgrad_cuda.h\"\n",
"for (k = 0; k < 2; k++) { low[k] = (double)(place[k] - 1); high[k] = (double)(place[k] + 1); }\n",
"TG__CU_UNROLL for (u = 0; u < TG__CU_BOX_CHANNELS; u++) sum[u] = 0;\n",
"for (at = 0; at < r->o[2].size[0]; at++) {\n",
"const tg__cu_boxed *const b = (const tg__cu_boxed *)r->work + at;\n",
"const TG__T *const g = (const TG__T *)r->o[1].p + at * ys[0] + c * ys[1];\n",
"tg__box box;\n",
"if (b->picture != n || place[0] < b->low[0] || place[0] > b->high[0] || place[1] < b->low[1] || place[1] > b->high[1]) continue;\n",
"box = TG__CU(tg__cu_box_of)(b);\n",
"for (bin[0] = 0; bin[0] < rule.bins[0]; bin[0]++) {\n",
"tg__boxes_range(&box, 0, bin[0], low[0], high[0], &first[0], &end[0]);\n",
"for (bin[1] = 0; bin[1] < rule.bins[1] && first[0] < end[0]; bin[1]++) {\n",
"tg__boxes_range(&box, 1, bin[1], low[1], high[1], &first[1], &end[1]);\n",
"for (e = first[0]; e < end[0] && first[1] < end[1]; e++) {\n",
"if (!tg__boxes_point(&rule, &box, 0, bin[0], e, &h) || (h.at[0] != place[0] && h.at[1] != place[0])) continue;\n",
"for (f = first[1]; f < end[1]; f++) {\n",
"if (!tg__boxes_point(&rule, &box, 1, bin[1], f, &w)) continue;\n",
"for (k = 0; k < 4; k++) {\n",
"const double weight = h.w[k / 2] * w.w[k % 2] * b->share;\n",
"if (h.at[k / 2] != place[0] || w.at[k % 2] != place[1] || !(weight > 0 || weight < 0)) continue;\n",
"TG__CU_UNROLL for (u = 0; u < TG__CU_BOX_CHANNELS; u++) if (u < many) sum[u] += (TG__T)(weight * (double)g[u * ys[1] + bin[0] * ys[3] + bin[1] * ys[4]]);\n",
"}\n",
"}\n",
"}\n",
"}\n",
"}\n",
"}\n",
"TG__CU_UNROLL for (u = 0; u < TG__CU_BOX_CHANNELS; u++) if (u < many) x[u * xs[1]] = sum[u];\n",
"}\n",
"TG__CU_KERNEL(TG__CU(tg__cu_boxes_look), tg__cu_walk, { TG__CU_THREADS(t) TG__CU_EACH(i) TG__CU(tg__cu_boxes_looked)(r, i); })\n",
"TG__CU_KERNEL(TG__CU(tg__cu_boxes), tg__cu_walk, { TG__CU_THREADS(t) TG__CU_EACH(i) TG__CU(tg__cu_boxes_met)(r, i); })\n",
"TG__CU_KERNEL(TG__CU(tg__cu_boxes_back), tg__cu_walk, { TG__CU_THREADS(t) TG__CU_EACH(i) TG__CU(tg__cu_boxes_given)(r, i); })\n",
"#endif\n",
"#line 5369 \"tensorgrad_cuda.h\"\n",
"#if (!defined(TG__CU_ONLY) || defined(TG__CU_ONLY_RNN)) && TG__CU_TYPE != 0\n",
"#line 1 \"tensorgrad.h, from the line '#define TG__RNN_GET(p, at)' on\"\n",
"#define TG__RNN_GET(p, at)    (k == TG__VN ? TG__W(load)((p) + (at)) : TG__W(loadn)((p) + (at), k))\n",
"#define TG__RNN_PUT(p, at, v) do { if (k == TG__VN) TG__W(store)((p) + (at), v); else TG__W(storen)((p) + (at), v, k); } while (0)\n",
"#line 4 \"tensorgrad.h, from the line '#define TG__RNN_GET(p, at)' on\"\n",
"#define TG__RNN_SIGMOID_SLOPE(v) TG__W(mul)(v, TG__W(sub)(one, v))\n",
"#define TG__RNN_TANH_SLOPE(v)    TG__W(sub)(one, TG__W(mul)(v, v))\n",
"#line 7 \"tensorgrad.h, from the line '#define TG__RNN_GET(p, at)' on\"\n",
"TG__NOINLINE TG__V TG__FT(tg__rnn_sigmoid)(TG__V v) { return TG__W(sigmoid)(v); }\n",
"TG__NOINLINE TG__V TG__FT(tg__rnn_tanh)(TG__V v) { return TG__W(tanh)(v); }\n",
"TG__INLINE TG__V TG__FT(tg__rnn_flush)(TG__V v) {\n",
"#if defined(TG__TYPE_F32)\n",
"const TG__T tiny = 1.17549435e-38f;\n",
"#else\n",
"const TG__T tiny = 2.2250738585072014e-308;\n",
"#endif\n",
"return TG__W(select)(TG__W(lt)(TG__W(abs)(v), TG__W(set)(tiny)), TG__W(set)(0), v);\n",
"}\n",
"#line 18 \"tensorgrad.h, from the line '#define TG__RNN_GET(p, at)' on\"\n",
"TG__NOINLINE TG__V TG__FT(tg__rnn_state)(const tg__rnn_run *r, int64_t at, int64_t k) {\n",
"const TG__T *product = (const TG__T *)(void *)r->p[3], *bias = (const TG__T *)(void *)r->p[4];\n",
"return bias ? TG__W(add)(TG__RNN_GET(product, at), TG__RNN_GET(bias, at)) : TG__RNN_GET(product, at);\n",
"}\n",
"TG__NOINLINE TG__V TG__FT(tg__rnn_sum)(const tg__rnn_run *r, int64_t at, int64_t k) {\n",
"return TG__W(add)(TG__RNN_GET((const TG__T *)(void *)r->p[2], at), TG__FT(tg__rnn_state)(r, at, k));\n",
"}\n",
"#line 27 \"tensorgrad.h, from the line '#define TG__RNN_GET(p, at)' on\"\n",
"TG__PRIVATE void TG__FT(tg__rnn_ahead)(int kind, const tg__rnn_run *r) {\n",
"TG__T *h = (TG__T *)(void *)r->p[0], *c = (TG__T *)(void *)r->p[1], *gates = (TG__T *)(void *)r->p[2];\n",
"const TG__T *before = (const TG__T *)(void *)r->p[5];\n",
"const int64_t w = r->width;\n",
"for (int64_t j = 0; j < r->n; j += TG__VN) {\n",
"const int64_t k = r->n - j < TG__VN ? r->n - j : TG__VN;\n",
"TG__V a, b, d, e, y;\n",
"if (kind == TG_RNN_LSTM) {\n",
"a = TG__FT(tg__rnn_sigmoid)(TG__FT(tg__rnn_sum)(r, j, k));\n",
"b = TG__FT(tg__rnn_sigmoid)(TG__FT(tg__rnn_sum)(r, w + j, k));\n",
"d = TG__FT(tg__rnn_tanh)(TG__FT(tg__rnn_sum)(r, 2 * w + j, k));\n",
"e = TG__FT(tg__rnn_sigmoid)(TG__FT(tg__rnn_sum)(r, 3 * w + j, k));\n",
"y = TG__FT(tg__rnn_flush)(TG__W(add)(TG__W(mul)(b, TG__RNN_GET(before, j)), TG__W(mul)(a, d)));\n",
"TG__RNN_PUT(c, j, y);\n",
"y = TG__W(mul)(e, TG__FT(tg__rnn_tanh)(y));\n",
"} else if (kind == TG_RNN_GRU) {\n",
"a = TG__FT(tg__rnn_sigmoid)(TG__FT(tg__rnn_sum)(r, j, k));\n",
"b = TG__FT(tg__rnn_sigmoid)(TG__FT(tg__rnn_sum)(r, w + j, k));\n",
"e = TG__FT(tg__rnn_state)(r, 2 * w + j, k);\n",
"d = TG__FT(tg__rnn_tanh)(TG__W(add)(TG__RNN_GET(gates, 2 * w + j), TG__W(mul)(a, e)));\n",
"y = TG__W(add)(d, TG__W(mul)(b, TG__W(sub)(TG__RNN_GET(before, j), d)));\n",
"} else {\n",
"y = TG__FT(tg__rnn_sum)(r, j, k);\n",
"y = kind == TG_RNN_TANH ? TG__FT(tg__rnn_tanh)(y) : TG__W(maxn)(y, TG__W(set)(0));\n",
"a = b = d = e = y;\n",
"}\n",
"TG__RNN_PUT(h, j, TG__FT(tg__rnn_flush)(y));\n",
"if (!r->keep) continue;\n",
"TG__RNN_PUT(gates, j, a); TG__RNN_PUT(gates, w + j, b); TG__RNN_PUT(gates, 2 * w + j, d); TG__RNN_PUT(gates, 3 * w + j, e);\n",
"}\n",
"}\n",
"#line 60 \"tensorgrad.h, from the line '#define TG__RNN_GET(p, at)' on\"\n",
"TG__PRIVATE void TG__FT(tg__rnn_back)(int kind, const tg__rnn_run *r) {\n",
"TG__T *dgates = (TG__T *)(void *)r->p[0], *dproduct = (TG__T *)(void *)r->p[1], *dbefore = (TG__T *)(void *)r->p[2],\n",
"*dc = (TG__T *)(void *)r->p[3];\n",
"const TG__T *dh = (const TG__T *)(void *)r->p[4], *gates = (const TG__T *)(void *)r->p[5],\n",
"*before = (const TG__T *)(void *)r->p[6], *c = (const TG__T *)(void *)r->p[7];\n",
"const TG__V one = TG__W(set)(1), zero = TG__W(set)(0);\n",
"const int64_t w = r->width;\n",
"for (int64_t j = 0; j < r->n; j += TG__VN) {\n",
"const int64_t k = r->n - j < TG__VN ? r->n - j : TG__VN;\n",
"const TG__V g = TG__RNN_GET(dh, j), a = TG__RNN_GET(gates, j);\n",
"TG__V b, d, e, t, s;\n",
"if (kind == TG_RNN_LSTM) {\n",
"b = TG__RNN_GET(gates, w + j); d = TG__RNN_GET(gates, 2 * w + j); e = TG__RNN_GET(gates, 3 * w + j);\n",
"t = TG__FT(tg__rnn_tanh)(TG__RNN_GET(c, j));\n",
"s = TG__W(add)(TG__RNN_GET(dc, j), TG__W(mul)(TG__W(mul)(g, e), TG__RNN_TANH_SLOPE(t)));\n",
"TG__RNN_PUT(dc, j, TG__FT(tg__rnn_flush)(TG__W(mul)(s, b)));\n",
"TG__RNN_PUT(dgates, 3 * w + j, TG__FT(tg__rnn_flush)(TG__W(mul)(TG__W(mul)(g, t), TG__RNN_SIGMOID_SLOPE(e))));\n",
"TG__RNN_PUT(dgates, 2 * w + j, TG__FT(tg__rnn_flush)(TG__W(mul)(TG__W(mul)(s, a), TG__RNN_TANH_SLOPE(d))));\n",
"TG__RNN_PUT(dgates, w + j, TG__FT(tg__rnn_flush)(TG__W(mul)(TG__W(mul)(s, TG__RNN_GET(before, j)), TG__RNN_SIGMOID_SLOPE(b))));\n",
"t = TG__W(mul)(TG__W(mul)(s, d), TG__RNN_SIGMOID_SLOPE(a));\n",
"} else if (kind == TG_RNN_GRU) {\n",
"b = TG__RNN_GET(gates, w + j); d = TG__RNN_GET(gates, 2 * w + j); e = TG__RNN_GET(gates, 3 * w + j);\n",
"s = TG__FT(tg__rnn_flush)(TG__W(mul)(TG__W(mul)(g, TG__W(sub)(TG__RNN_GET(before, j), d)), TG__RNN_SIGMOID_SLOPE(b)));\n",
"TG__RNN_PUT(dgates, w + j, s); TG__RNN_PUT(dproduct, w + j, s);\n",
"TG__RNN_PUT(dbefore, j, TG__FT(tg__rnn_flush)(TG__W(add)(TG__RNN_GET(dbefore, j), TG__W(mul)(g, b))));\n",
"s = TG__FT(tg__rnn_flush)(TG__W(mul)(TG__W(mul)(g, TG__W(sub)(one, b)), TG__RNN_TANH_SLOPE(d)));\n",
"TG__RNN_PUT(dgates, 2 * w + j, s);\n",
"TG__RNN_PUT(dproduct, 2 * w + j, TG__FT(tg__rnn_flush)(TG__W(mul)(s, a)));\n",
"t = TG__FT(tg__rnn_flush)(TG__W(mul)(TG__W(mul)(s, e), TG__RNN_SIGMOID_SLOPE(a)));\n",
"TG__RNN_PUT(dproduct, j, t);\n",
"#line 91 \"tensorgrad.h, from the line '#define TG__RNN_GET(p, at)' on\"\n",
"} else t = kind == TG_RNN_TANH ? TG__W(mul)(g, TG__RNN_TANH_SLOPE(a)) : TG__W(select)(TG__W(eq)(a, zero), zero, g);\n",
"TG__RNN_PUT(dgates, j, TG__FT(tg__rnn_flush)(t));\n",
"}\n",
"}\n",
"#line 5372 \"tensorgrad_cuda.h\"\n",
"TG__INLINE tg__rnn_run TG__CU(tg__cu_unit)(const tg__cu_walk *r, int64_t i) {\n",
"const int64_t row = i / r->length, unit = i - row * r->length;\n",
"tg__rnn_run run;\n",
"run.n = 1; run.width = r->length; run.keep = r->whole[0] != 0;\n",
"TG__CU_UNROLL for (int k = 0; k < 8; k++) run.p[k] = r->o[k].p ? r->o[k].p + (row * r->o[k].step + unit) * (int64_t)sizeof(TG__T) : 0;\n",
"return run;\n",
"}\n",
"TG__CU_KERNEL(TG__CU(tg__cu_rnn), tg__cu_walk,\n",
"{ TG__CU_THREADS(t) TG__CU_EACH(i) {\n",
"const tg__rnn_run run = TG__CU(tg__cu_unit)(r, i); TG__FT(tg__rnn_ahead)(r->kind, &run); } })\n",
"TG__CU_KERNEL(TG__CU(tg__cu_rnn_back), tg__cu_walk,\n",
"{ TG__CU_THREADS(t) TG__CU_EACH(i) {\n",
"const tg__rnn_run run = TG__CU(tg__cu_unit)(r, i); TG__FT(tg__rnn_back)(r->kind, &run); } })\n",
"#endif\n",
"#line 5387 \"tensorgrad_cuda.h\"\n",
"#if (!defined(TG__CU_ONLY) || defined(TG__CU_ONLY_OPTIM)) && TG__CU_TYPE != 0\n",
"#line 1 \"tensorgrad.h, from the line '#define TG__OPTIM_NUMBER(i)' on\"\n",
"#define TG__OPTIM_NUMBER(i)  TG__W(set)((TG__T)r->number[i])\n",
"#define TG__OPTIM_STATE(i)   ((TG__T *)r->s[i])\n",
"#define TG__OPTIM_EACH       for (int64_t i = 0; i < r->n; i += TG__VN)\n",
"#line 5 \"tensorgrad.h, from the line '#define TG__OPTIM_NUMBER(i)' on\"\n",
"TG__INLINE TG__V TG__FT(tg__optim_get)(const TG__T *p, int64_t i) { return TG__W(load)(p + i); }\n",
"TG__INLINE void TG__FT(tg__optim_put)(TG__T *p, int64_t i, TG__V v) {\n",
"#if defined(TG__TYPE_F32)\n",
"const TG__T tiny = 1.17549435e-38f;\n",
"#else\n",
"const TG__T tiny = 2.2250738585072014e-308;\n",
"#endif\n",
"TG__W(store)(p + i, TG__W(select)(TG__W(lt)(TG__W(abs)(v), TG__W(set)(tiny)), TG__W(set)(0), v));\n",
"}\n",
"#line 15 \"tensorgrad.h, from the line '#define TG__OPTIM_NUMBER(i)' on\"\n",
"TG__INLINE TG__V TG__FT(tg__optim_mix)(TG__V a, TG__V x, TG__V b, TG__V y) { return TG__W(add)(TG__W(mul)(a, x), TG__W(mul)(b, y)); }\n",
"#line 17 \"tensorgrad.h, from the line '#define TG__OPTIM_NUMBER(i)' on\"\n",
"TG__INLINE TG__V TG__FT(tg__optim_take)(const tg__optim_run *r, int64_t i, TG__V *x) {\n",
"TG__V g = TG__W(mul)(TG__W(load)((const TG__T *)r->g + i), TG__OPTIM_NUMBER(0));\n",
"*x = TG__W(load)((const TG__T *)r->p + i);\n",
"if (r->whole[0] == TG_DECAY_GRADIENT) g = TG__W(add)(g, TG__W(mul)(TG__OPTIM_NUMBER(2), *x));\n",
"if (r->whole[0] == TG_DECAY_PARAMETER) *x = TG__W(mul)(TG__OPTIM_NUMBER(2), *x);\n",
"return g;\n",
"}\n",
"TG__INLINE void TG__FT(tg__optim_move)(const tg__optim_run *r, int64_t i, TG__V x, TG__V rate, TG__V along) {\n",
"TG__FT(tg__optim_put)((TG__T *)r->p, i, TG__W(sub)(x, TG__W(mul)(rate, along)));\n",
"}\n",
"TG__INLINE TG__V TG__FT(tg__optim_sign)(TG__V v) {\n",
"const TG__V zero = TG__W(set)(0), one = TG__W(copysign)(TG__W(set)(1), v);\n",
"return TG__W(select)(TG__W(mor)(TG__W(lt)(v, zero), TG__W(gt)(v, zero)), one, v);\n",
"}\n",
"#line 33 \"tensorgrad.h, from the line '#define TG__OPTIM_NUMBER(i)' on\"\n",
"TG__PRIVATE void TG__FT(tg__optim_sgd)(const tg__optim_run *r) {\n",
"const TG__V rate = TG__OPTIM_NUMBER(1), keep = TG__OPTIM_NUMBER(3), fresh = TG__OPTIM_NUMBER(4), ahead = TG__OPTIM_NUMBER(5);\n",
"TG__OPTIM_EACH {\n",
"TG__V x, g = TG__FT(tg__optim_take)(r, i, &x);\n",
"if (r->s[0]) {\n",
"const TG__V b = TG__FT(tg__optim_mix)(keep, TG__FT(tg__optim_get)(TG__OPTIM_STATE(0), i), fresh, g);\n",
"TG__FT(tg__optim_put)(TG__OPTIM_STATE(0), i, b);\n",
"g = r->whole[1] ? TG__W(add)(g, TG__W(mul)(ahead, b)) : b;\n",
"}\n",
"TG__FT(tg__optim_move)(r, i, x, rate, g);\n",
"}\n",
"}\n",
"#line 46 \"tensorgrad.h, from the line '#define TG__OPTIM_NUMBER(i)' on\"\n",
"TG__PRIVATE void TG__FT(tg__optim_adam)(const tg__optim_run *r) {\n",
"const TG__V rate = TG__OPTIM_NUMBER(1), keep1 = TG__OPTIM_NUMBER(3), fresh1 = TG__OPTIM_NUMBER(4), keep2 = TG__OPTIM_NUMBER(5),\n",
"fresh2 = TG__OPTIM_NUMBER(6), correct = TG__OPTIM_NUMBER(7), eps = TG__OPTIM_NUMBER(8), lead = TG__OPTIM_NUMBER(9);\n",
"TG__OPTIM_EACH {\n",
"TG__V x, m, v, g = TG__FT(tg__optim_take)(r, i, &x);\n",
"m = TG__FT(tg__optim_mix)(keep1, TG__FT(tg__optim_get)(TG__OPTIM_STATE(0), i), fresh1, g);\n",
"v = TG__FT(tg__optim_mix)(keep2, TG__FT(tg__optim_get)(TG__OPTIM_STATE(1), i), fresh2, TG__W(mul)(g, g));\n",
"TG__FT(tg__optim_put)(TG__OPTIM_STATE(0), i, m);\n",
"TG__FT(tg__optim_put)(TG__OPTIM_STATE(1), i, v);\n",
"if (r->s[2]) {\n",
"v = TG__W(maxn)(TG__FT(tg__optim_get)(TG__OPTIM_STATE(2), i), v);\n",
"TG__FT(tg__optim_put)(TG__OPTIM_STATE(2), i, v);\n",
"}\n",
"v = TG__W(add)(TG__W(mul)(TG__W(sqrt)(v), correct), eps);\n",
"if (r->number[9] != 0) m = TG__W(add)(m, TG__W(mul)(lead, g));\n",
"TG__FT(tg__optim_move)(r, i, x, rate, TG__W(div)(m, v));\n",
"}\n",
"}\n",
"#line 66 \"tensorgrad.h, from the line '#define TG__OPTIM_NUMBER(i)' on\"\n",
"TG__PRIVATE void TG__FT(tg__optim_rmsprop)(const tg__optim_run *r) {\n",
"const TG__V rate = TG__OPTIM_NUMBER(1), keep = TG__OPTIM_NUMBER(3), fresh = TG__OPTIM_NUMBER(4),\n",
"eps = TG__OPTIM_NUMBER(5), momentum = TG__OPTIM_NUMBER(6);\n",
"TG__OPTIM_EACH {\n",
"TG__V x, v, g = TG__FT(tg__optim_take)(r, i, &x);\n",
"v = TG__FT(tg__optim_mix)(keep, TG__FT(tg__optim_get)(TG__OPTIM_STATE(0), i), fresh, TG__W(mul)(g, g));\n",
"TG__FT(tg__optim_put)(TG__OPTIM_STATE(0), i, v);\n",
"if (r->s[1]) {\n",
"const TG__V mean = TG__FT(tg__optim_mix)(keep, TG__FT(tg__optim_get)(TG__OPTIM_STATE(1), i), fresh, g);\n",
"TG__FT(tg__optim_put)(TG__OPTIM_STATE(1), i, mean);\n",
"v = TG__W(maxn)(TG__W(sub)(v, TG__W(mul)(mean, mean)), TG__W(set)(0));\n",
"}\n",
"g = TG__W(div)(g, TG__W(add)(TG__W(sqrt)(v), eps));\n",
"if (r->s[2]) {\n",
"g = TG__W(add)(TG__W(mul)(momentum, TG__FT(tg__optim_get)(TG__OPTIM_STATE(2), i)), g);\n",
"TG__FT(tg__optim_put)(TG__OPTIM_STATE(2), i, g);\n",
"}\n",
"TG__FT(tg__optim_move)(r, i, x, rate, g);\n",
"}\n",
"}\n",
"#line 87 \"tensorgrad.h, from the line '#define TG__OPTIM_NUMBER(i)' on\"\n",
"TG__PRIVATE void TG__FT(tg__optim_adagrad)(const tg__optim_run *r) {\n",
"const TG__V rate = TG__OPTIM_NUMBER(1), eps = TG__OPTIM_NUMBER(3);\n",
"TG__OPTIM_EACH {\n",
"TG__V x, v, g = TG__FT(tg__optim_take)(r, i, &x);\n",
"v = TG__W(add)(TG__FT(tg__optim_get)(TG__OPTIM_STATE(0), i), TG__W(mul)(g, g));\n",
"TG__FT(tg__optim_put)(TG__OPTIM_STATE(0), i, v);\n",
"TG__FT(tg__optim_move)(r, i, x, rate, TG__W(div)(g, TG__W(add)(TG__W(sqrt)(v), eps)));\n",
"}\n",
"}\n",
"#line 97 \"tensorgrad.h, from the line '#define TG__OPTIM_NUMBER(i)' on\"\n",
"TG__PRIVATE void TG__FT(tg__optim_adadelta)(const tg__optim_run *r) {\n",
"const TG__V rate = TG__OPTIM_NUMBER(1), keep = TG__OPTIM_NUMBER(3), fresh = TG__OPTIM_NUMBER(4), eps = TG__OPTIM_NUMBER(5);\n",
"TG__OPTIM_EACH {\n",
"TG__V x, v, d, g = TG__FT(tg__optim_take)(r, i, &x);\n",
"v = TG__FT(tg__optim_mix)(keep, TG__FT(tg__optim_get)(TG__OPTIM_STATE(0), i), fresh, TG__W(mul)(g, g));\n",
"d = TG__FT(tg__optim_get)(TG__OPTIM_STATE(1), i);\n",
"g = TG__W(mul)(TG__W(div)(TG__W(sqrt)(TG__W(add)(d, eps)), TG__W(sqrt)(TG__W(add)(v, eps))), g);\n",
"TG__FT(tg__optim_put)(TG__OPTIM_STATE(0), i, v);\n",
"TG__FT(tg__optim_put)(TG__OPTIM_STATE(1), i, TG__FT(tg__optim_mix)(keep, d, fresh, TG__W(mul)(g, g)));\n",
"TG__FT(tg__optim_move)(r, i, x, rate, g);\n",
"}\n",
"}\n",
"#line 110 \"tensorgrad.h, from the line '#define TG__OPTIM_NUMBER(i)' on\"\n",
"TG__PRIVATE void TG__FT(tg__optim_adamax)(const tg__optim_run *r) {\n",
"const TG__V rate = TG__OPTIM_NUMBER(1), keep = TG__OPTIM_NUMBER(3), fresh = TG__OPTIM_NUMBER(4),\n",
"fade = TG__OPTIM_NUMBER(5), eps = TG__OPTIM_NUMBER(6);\n",
"TG__OPTIM_EACH {\n",
"TG__V x, m, v, g = TG__FT(tg__optim_take)(r, i, &x);\n",
"m = TG__FT(tg__optim_mix)(keep, TG__FT(tg__optim_get)(TG__OPTIM_STATE(0), i), fresh, g);\n",
"v = TG__W(maxn)(TG__W(mul)(fade, TG__FT(tg__optim_get)(TG__OPTIM_STATE(1), i)), TG__W(add)(TG__W(abs)(g), eps));\n",
"TG__FT(tg__optim_put)(TG__OPTIM_STATE(0), i, m);\n",
"TG__FT(tg__optim_put)(TG__OPTIM_STATE(1), i, v);\n",
"TG__FT(tg__optim_move)(r, i, x, rate, TG__W(div)(m, v));\n",
"}\n",
"}\n",
"#line 123 \"tensorgrad.h, from the line '#define TG__OPTIM_NUMBER(i)' on\"\n",
"TG__PRIVATE void TG__FT(tg__optim_asgd)(const tg__optim_run *r) {\n",
"const TG__V rate = TG__OPTIM_NUMBER(1), shrink = TG__OPTIM_NUMBER(3), keep = TG__OPTIM_NUMBER(4), fresh = TG__OPTIM_NUMBER(5);\n",
"TG__OPTIM_EACH {\n",
"TG__V x, g = TG__FT(tg__optim_take)(r, i, &x);\n",
"x = TG__W(sub)(TG__W(mul)(shrink, x), TG__W(mul)(rate, g));\n",
"TG__FT(tg__optim_put)((TG__T *)r->p, i, x);\n",
"TG__FT(tg__optim_put)(TG__OPTIM_STATE(0), i, TG__FT(tg__optim_mix)(keep, TG__FT(tg__optim_get)(TG__OPTIM_STATE(0), i), fresh, x));\n",
"}\n",
"}\n",
"#line 134 \"tensorgrad.h, from the line '#define TG__OPTIM_NUMBER(i)' on\"\n",
"TG__PRIVATE void TG__FT(tg__optim_rprop)(const tg__optim_run *r) {\n",
"const TG__V shrink = TG__OPTIM_NUMBER(3), grow = TG__OPTIM_NUMBER(4), least = TG__OPTIM_NUMBER(5),\n",
"most = TG__OPTIM_NUMBER(6), zero = TG__W(set)(0);\n",
"TG__OPTIM_EACH {\n",
"TG__V x, step, g = TG__FT(tg__optim_take)(r, i, &x);\n",
"const TG__V before = TG__FT(tg__optim_get)(TG__OPTIM_STATE(0), i),\n",
"turn = TG__W(mul)(TG__FT(tg__optim_sign)(g), TG__FT(tg__optim_sign)(before));\n",
"const TG__M turned = TG__W(lt)(turn, zero);\n",
"step = TG__W(mul)(TG__FT(tg__optim_get)(TG__OPTIM_STATE(1), i),\n",
"TG__W(select)(turned, shrink, TG__W(select)(TG__W(gt)(turn, zero), grow, TG__W(set)(1))));\n",
"step = TG__W(minn)(TG__W(maxn)(step, least), most);\n",
"g = TG__W(select)(turned, zero, g);\n",
"TG__FT(tg__optim_put)(TG__OPTIM_STATE(0), i, g);\n",
"TG__FT(tg__optim_put)(TG__OPTIM_STATE(1), i, step);\n",
"TG__FT(tg__optim_move)(r, i, x, step, TG__FT(tg__optim_sign)(g));\n",
"}\n",
"}\n",
"#line 152 \"tensorgrad.h, from the line '#define TG__OPTIM_NUMBER(i)' on\"\n",
"TG__PRIVATE void TG__FT(tg__optim_lion)(const tg__optim_run *r) {\n",
"const TG__V rate = TG__OPTIM_NUMBER(1), keep1 = TG__OPTIM_NUMBER(3), fresh1 = TG__OPTIM_NUMBER(4),\n",
"keep2 = TG__OPTIM_NUMBER(5), fresh2 = TG__OPTIM_NUMBER(6);\n",
"TG__OPTIM_EACH {\n",
"TG__V x, g = TG__FT(tg__optim_take)(r, i, &x);\n",
"const TG__V m = TG__FT(tg__optim_get)(TG__OPTIM_STATE(0), i);\n",
"TG__FT(tg__optim_put)(TG__OPTIM_STATE(0), i, TG__FT(tg__optim_mix)(keep2, m, fresh2, g));\n",
"TG__FT(tg__optim_move)(r, i, x, rate, TG__FT(tg__optim_sign)(TG__FT(tg__optim_mix)(keep1, m, fresh1, g)));\n",
"}\n",
"}\n",
"#line 163 \"tensorgrad.h, from the line '#define TG__OPTIM_NUMBER(i)' on\"\n",
"TG__PRIVATE void TG__FT(tg__optim_muon)(const tg__optim_run *r) {\n",
"const TG__V rate = TG__OPTIM_NUMBER(1), keep = TG__OPTIM_NUMBER(3), fresh = TG__OPTIM_NUMBER(4);\n",
"TG__OPTIM_EACH {\n",
"TG__V x, g = TG__FT(tg__optim_take)(r, i, &x);\n",
"TG__FT(tg__optim_put)(TG__OPTIM_STATE(0), i, TG__FT(tg__optim_mix)(keep, TG__FT(tg__optim_get)(TG__OPTIM_STATE(0), i), fresh, g));\n",
"TG__FT(tg__optim_move)(r, i, x, rate, TG__FT(tg__optim_get)(TG__OPTIM_STATE(1), i));\n",
"}\n",
"}\n",
"TG__PRIVATE void TG__FT(tg__optim_clip)(const tg__optim_run *r) {\n",
"const TG__V scale = TG__OPTIM_NUMBER(0), most = TG__OPTIM_NUMBER(1), least = TG__W(neg)(most);\n",
"TG__T *p = (TG__T *)r->p;\n",
"#line 175 \"tensorgrad.h, from the line '#define TG__OPTIM_NUMBER(i)' on\"\n",
"const int64_t block = r->n < 8192 ? r->n : 128, per = (r->n / 8 / block | 1) * block;\n",
"int64_t k, at, i;\n",
"for (k = 0; k < per; k += block) for (at = k; at < r->n; at += per) {\n",
"const int64_t end = at + block < r->n ? at + block : r->n;\n",
"for (i = at; i < end; i += TG__VN)\n",
"TG__W(store)(p + i, TG__W(minn)(TG__W(maxn)(TG__W(mul)(TG__W(load)(p + i), scale), least), most));\n",
"}\n",
"}\n",
"#line 184 \"tensorgrad.h, from the line '#define TG__OPTIM_NUMBER(i)' on\"\n",
"TG__PRIVATE void TG__FT(tg__optim_powers)(const tg__optim_run *r) {\n",
"const double order = r->number[1];\n",
"const TG__V one = TG__W(set)(1), zero = TG__W(set)(0), p = TG__OPTIM_NUMBER(1);\n",
"const TG__T *x = (const TG__T *)r->g;\n",
"TG__T *y = (TG__T *)r->p;\n",
"if (order == 2) TG__OPTIM_EACH { const TG__V a = TG__W(load)(x + i); TG__W(store)(y + i, TG__W(mul)(a, a)); }\n",
"else if (order == 0) TG__OPTIM_EACH TG__W(store)(y + i, TG__W(select)(TG__W(eq)(TG__W(load)(x + i), zero), zero, one));\n",
"else if (order == 1 || r->whole[1]) TG__OPTIM_EACH TG__W(store)(y + i, TG__W(abs)(TG__W(load)(x + i)));\n",
"else TG__OPTIM_EACH TG__W(store)(y + i, TG__W(pow)(TG__W(abs)(TG__W(load)(x + i)), p));\n",
"}\n",
"#line 195 \"tensorgrad.h, from the line '#define TG__OPTIM_NUMBER(i)' on\"\n",
"TG__PRIVATE void TG__FT(tg__optim_whole)(const tg__optim_run *r) {\n",
"switch (r->kind) {\n",
"case TG_STEP_SGD: TG__FT(tg__optim_sgd)(r); break;\n",
"case TG_STEP_ADAM: TG__FT(tg__optim_adam)(r); break;\n",
"case TG_STEP_RMSPROP: TG__FT(tg__optim_rmsprop)(r); break;\n",
"case TG_STEP_ADAGRAD: TG__FT(tg__optim_adagrad)(r); break;\n",
"case TG_STEP_ADADELTA: TG__FT(tg__optim_adadelta)(r); break;\n",
"case TG_STEP_ADAMAX: TG__FT(tg__optim_adamax)(r); break;\n",
"case TG_STEP_ASGD: TG__FT(tg__optim_asgd)(r); break;\n",
"case TG_STEP_RPROP: TG__FT(tg__optim_rprop)(r); break;\n",
"case TG_STEP_LION: TG__FT(tg__optim_lion)(r); break;\n",
"case TG_STEP_MUON: TG__FT(tg__optim_muon)(r); break;\n",
"case TG_STEP_CLIP: TG__FT(tg__optim_clip)(r); break;\n",
"default: TG__FT(tg__optim_powers)(r); break;\n",
"}\n",
"}\n",
"#line 5390 \"tensorgrad_cuda.h\"\n",
"#undef TG__CU_RULE\n",
"#ifdef TG__CU_KIND\n",
"#define TG__CU_RULE(asked) TG__CU_KIND\n",
"#else\n",
"#define TG__CU_RULE(asked) (asked)\n",
"#endif\n",
"#line 5397 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void TG__CU(tg__cu_step_of)(int kind, const double *number, const int64_t *whole, unsigned there, TG__T *v) {\n",
"TG__T stepped = there & 2 ? v[1] : v[0];\n",
"tg__optim_run run;\n",
"run.n = 1; run.kind = TG__CU_RULE(kind); run.number = number; run.whole = whole;\n",
"run.p = &stepped; run.g = &v[5];\n",
"run.s[0] = there & 4 ? &v[2] : 0; run.s[1] = there & 8 ? &v[3] : 0; run.s[2] = there & 16 ? &v[4] : 0;\n",
"TG__FT(tg__optim_whole)(&run);\n",
"v[0] = v[1] = stepped;\n",
"}\n",
"TG__CU_KERNEL(TG__CU(tg__cu_step), tg__cu_optim, { TG__CU_THREADS(t) TG__CU_EACH(i) {\n",
"TG__T v[6];\n",
"unsigned there = 0;\n",
"TG__CU_PLACES(6)\n",
"if (r->rows) {\n",
"const int64_t q = i / r->row, place = r->rows[q] * r->row + (i - q * r->row);\n",
"TG__CU_UNROLL for (int k = 0; k < 5; k++) at[k] = place;\n",
"at[5] = i;\n",
"}\n",
"TG__CU_UNROLL for (int k = 0; k < 6; k++) { v[k] = r->o[k].p ? TG__CU(tg__cu_get)(TG__CU_D(k), r->o[k].p,\n",
"at[k]) : 0; if (r->o[k].p) there |= 1u << k; }\n",
"TG__CU(tg__cu_step_of)(r->kind, r->number, r->whole, there, v);\n",
"TG__CU_UNROLL for (int k = 0; k < 5; k++) if (r->o[k].p) TG__CU(tg__cu_put)(TG__CU_D(k), r->o[k].p, at[k], v[k]);\n",
"} })\n",
"#line 5421 \"tensorgrad_cuda.h\"\n",
"#undef TG__CU_D_STEP\n",
"#define TG__CU_D_STEP(k) TG__CU_DTYPE(k, r->dtype[k])\n",
"TG__CU_KERNEL(TG__CU(tg__cu_steps), tg__cu_steps, {\n",
"const tg__cu_stepped *e = r->each;\n",
"int64_t first = block;\n",
"int64_t end;\n",
"unsigned there = 0;\n",
"for (; first >= e->blocks; e++) first -= e->blocks;\n",
"first *= TG__CU_STEP_PIECE;\n",
"end = e->n - first < TG__CU_STEP_PIECE ? e->n : first + TG__CU_STEP_PIECE;\n",
"TG__CU_UNROLL for (int k = 0; k < 6; k++) if (e->p[k]) there |= 1u << k;\n",
"TG__CU_THREADS(t) {\n",
"const int64_t whole = e->wide ? end - end % 8 : first;\n",
"TG__T v[6];\n",
"for (int64_t i = first + t * 8; i < whole; i += TG__CU_WIDTH * 8) {\n",
"tg__cu_eight eight[6];\n",
"TG__CU_UNROLL for (int k = 0; k < 6; k++) if (e->p[k]) tg__cu_eight_in(TG__CU_D_STEP(k), e->p[k], 1, i, &eight[k]);\n",
"TG__CU_UNROLL for (int n = 0; n < 8; n++) {\n",
"TG__CU_UNROLL for (int k = 0; k < 6; k++) v[k] = e->p[k] ? TG__CU(tg__cu_get)(TG__CU_D_STEP(k),\n",
"(const char *)&eight[k], n) : 0;\n",
"TG__CU(tg__cu_step_of)(r->kind, r->number, r->whole, there, v);\n",
"TG__CU_UNROLL for (int k = 0; k < 5; k++) if (e->p[k]) TG__CU(tg__cu_put)(TG__CU_D_STEP(k), (char *)&eight[k], n, v[k]);\n",
"}\n",
"TG__CU_UNROLL for (int k = 0; k < 5; k++) if (e->p[k]) tg__cu_eight_out(TG__CU_D_STEP(k), e->p[k], i, &eight[k]);\n",
"}\n",
"for (int64_t i = whole + t; i < end; i += TG__CU_WIDTH) {\n",
"TG__CU_UNROLL for (int k = 0; k < 6; k++) v[k] = e->p[k] ? TG__CU(tg__cu_get)(TG__CU_D_STEP(k), e->p[k], i) : 0;\n",
"TG__CU(tg__cu_step_of)(r->kind, r->number, r->whole, there, v);\n",
"TG__CU_UNROLL for (int k = 0; k < 5; k++) if (e->p[k]) TG__CU(tg__cu_put)(TG__CU_D_STEP(k), e->p[k], i, v[k]);\n",
"}\n",
"}\n",
"})\n",
"#line 5454 \"tensorgrad_cuda.h\"\n",
"TG__INLINE TG__T TG__CU(tg__cu_power)(const tg__cu_optim *r, int64_t i) {\n",
"TG__T v[2];\n",
"tg__optim_run run;\n",
"TG__CU_PLACES(6)\n",
"v[1] = TG__CU(tg__cu_get)(TG__CU_D(5), r->o[5].p, at[5]);\n",
"run.n = 1; run.number = r->number; run.whole = r->whole; run.p = &v[0]; run.g = &v[1];\n",
"TG__FT(tg__optim_powers)(&run);\n",
"return v[0];\n",
"}\n",
"#line 5464 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void TG__CU(tg__cu_power_blocks)(const tg__cu_optim *r, int64_t block) {\n",
"TG__CU_SHARED(TG__T, s, TG__CU_WIDTH);\n",
"int half;\n",
"TG__CU_THREADS(t) {\n",
"const int64_t first = (block * 4 + t / 64) * 512, n = r->n - first < 512 ? r->n - first : 512;\n",
"int64_t i;\n",
"TG__T v;\n",
"if (n <= 0) continue;\n",
"v = t % 64 < n ? TG__CU(tg__cu_power)(r, first + t % 64) : r->whole[1] ? TG__CU(tg__cu_power)(r, first) : 0;\n",
"for (i = t % 64 + 64; i < n; i += 64) {\n",
"const TG__T b = TG__CU(tg__cu_power)(r, first + i); v = r->whole[1] ? TG__W(maxn)(v, b) : v + b;\n",
"}\n",
"s[t] = v;\n",
"}\n",
"TG__CU_BARRIER\n",
"for (half = 32; half > 0; half /= 2) {\n",
"TG__CU_THREADS(t) if (t % 64 < half && r->n - (block * 4 + t / 64) * 512 > half) s[t] = r->whole[1]\n",
"? TG__W(maxn)(s[t], s[t + half]) : s[t] + s[t + half];\n",
"TG__CU_BARRIER\n",
"}\n",
"TG__CU_THREADS(t) if (t % 64 == 0 && (block * 4 + t / 64) * 512 < r->n) r->partial[block * 4 + t / 64] = (double)s[t];\n",
"}\n",
"TG__INLINE void TG__CU(tg__cu_power_join)(const tg__cu_optim *r) {\n",
"TG__CU_THREADS(t) {\n",
"double sum = 0;\n",
"if (t) continue;\n",
"for (int64_t i = 0; i * 512 < r->n; i++) {\n",
"const double b = r->partial[i]; sum = !r->whole[1] ? sum + b : sum != sum || sum > b ? sum : b;\n",
"}\n",
"*(double *)r->o[0].p = sum;\n",
"}\n",
"}\n",
"TG__CU_KERNEL(TG__CU(tg__cu_powers), tg__cu_optim, TG__CU(tg__cu_power_blocks)(r, block))\n",
"TG__CU_KERNEL(TG__CU(tg__cu_powers_sum), tg__cu_optim, { (void)block; TG__CU(tg__cu_power_join)(r); })\n",
"#endif\n",
"#line 5500 \"tensorgrad_cuda.h\"\n",
"#if !defined(TG__CU_ONLY) || defined(TG__CU_ONLY_GEMM) || defined(TG__CU_ONLY_CONV)\n",
"#line 5504 \"tensorgrad_cuda.h\"\n",
"#undef TG__CU_FMA\n",
"#undef TG__CU_PLUS\n",
"#if TG__CU_TYPE == 32\n",
"#define TG__CU_FMA(a, b, c) tg__fma32(a, b, c)\n",
"#define TG__CU_PLUS(a, b) ((a) + (b))\n",
"#elif TG__CU_TYPE == 64\n",
"#define TG__CU_FMA(a, b, c) tg__fma64(a, b, c)\n",
"#define TG__CU_PLUS(a, b) ((a) + (b))\n",
"#else\n",
"#define TG__CU_PLUS(a, b) ((int64_t)((uint64_t)(a) + (uint64_t)(b)))\n",
"#define TG__CU_FMA(a, b, c) ((int64_t)((uint64_t)(a) * (uint64_t)(b) + (uint64_t)(c)))\n",
"#endif\n",
"#ifndef TG__CU_TILE\n",
"#define TG__CU_TILE\n",
"enum { TG__CU_BM = 128, TG__CU_BN = 64, TG__CU_BK = 16, TG__CU_PAD = TG__CU_BM + 4 };\n",
"#endif\n",
"#line 5521 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void TG__CU(tg__cu_tile_step)(const TG__T *as, const TG__T *bs, TG__CU_OWN(TG__T, acc, 32)) {\n",
"TG__CU_THREADS(t) {\n",
"const int i0 = t / 16 * 8, j0 = t % 16 * 4;\n",
"int kk, i, j;\n",
"for (kk = 0; kk < TG__CU_BK; kk++) {\n",
"TG__T av[8], bv[4];\n",
"TG__CU_UNROLL for (i = 0; i < 8; i++) av[i] = as[kk * TG__CU_PAD + i0 + i];\n",
"TG__CU_UNROLL for (j = 0; j < 4; j++) bv[j] = bs[kk * TG__CU_BN + j0 + j];\n",
"TG__CU_UNROLL for (i = 0; i < 8; i++) { TG__CU_UNROLL for (j = 0; j < 4; j++) TG__CU_MY(acc,\n",
"t)[i * 4 + j] = TG__CU_FMA(av[i], bv[j], TG__CU_MY(acc, t)[i * 4 + j]); }\n",
"}\n",
"}\n",
"}\n",
"#line 5535 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void TG__CU(tg__cu_tile_clear)(TG__CU_OWN(TG__T, acc, 32)) {\n",
"TG__CU_THREADS(t) if (t < TG__CU_WIDTH) { TG__CU_UNROLL for (int e = 0; e < 32; e++) TG__CU_MY(acc, t)[e] = 0; }\n",
"}\n",
"TG__INLINE void TG__CU(tg__cu_tile_add)(TG__CU_OWN(TG__T, total, 32), TG__CU_OWN(TG__T, acc, 32), int first) {\n",
"TG__CU_THREADS(t) if (t < TG__CU_WIDTH) { TG__CU_UNROLL for (int e = 0; e < 32; e++) TG__CU_MY(total, t)[e] =\n",
"first ? TG__CU_MY(acc, t)[e] : TG__CU_PLUS(TG__CU_MY(total, t)[e], TG__CU_MY(acc, t)[e]); }\n",
"}\n",
"#if !defined(TG__CU_ONLY) || defined(TG__CU_ONLY_GEMM)\n",
"#line 5544 \"tensorgrad_cuda.h\"\n",
"TG__INLINE TG__T TG__CU(tg__cu_of_b)(const tg__cu_gemm *r, int64_t at) {\n",
"#if TG__CU_TYPE == 32\n",
"if (TG__CU_DTYPE(2, r->tb) > 9) return tg__cu_get_block(TG__CU_DTYPE(2, r->tb), r->b, at);\n",
"#endif\n",
"return TG__CU(tg__cu_get)(TG__CU_DTYPE(2, r->tb), r->b, at);\n",
"}\n",
"#line 5551 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void TG__CU(tg__cu_finish)(const tg__cu_gemm *r, int64_t c_at, int64_t bias_at, int64_t i, int64_t j, TG__T v) {\n",
"const int64_t at = c_at + i * r->c_rs + j * r->c_cs;\n",
"if (r->bias) v = TG__CU_PLUS(v, TG__CU(tg__cu_get)(TG__CU_DTYPE(0, r->tc), r->bias, bias_at + i * r->bias_rs + j * r->bias_cs));\n",
"if (r->accumulate) v = TG__CU_PLUS(TG__CU(tg__cu_get)(TG__CU_DTYPE(0, r->tc), r->c, at), v);\n",
"TG__CU(tg__cu_put)(TG__CU_DTYPE(0, r->tc), r->c, at, v);\n",
"}\n",
"#line 5558 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void TG__CU(tg__cu_part)(const tg__cu_gemm *r, int64_t batch, int64_t q, int64_t i, int64_t j, TG__T v) {\n",
"if (r->partial) ((TG__T *)r->partial)[((batch * r->blocks + q) * r->m + i) * r->n + j] = v;\n",
"else\n",
"TG__CU(tg__cu_finish)(r, tg__cu_offset(r->ndim, r->shape, r->bc, batch),\n",
"tg__cu_offset(r->ndim, r->shape, r->bbias, batch), i, j, v);\n",
"}\n",
"TG__INLINE void TG__CU(tg__cu_tiles)(const tg__cu_gemm *r, int64_t block) {\n",
"TG__CU_SHARED(TG__T, as, TG__CU_BK * TG__CU_PAD);\n",
"TG__CU_SHARED(TG__T, bs, TG__CU_BK * TG__CU_BN);\n",
"TG__CU_OWN(TG__T, acc, 32);\n",
"TG__CU_OWN(TG__T, total, 32);\n",
"const int64_t mt = (r->m + TG__CU_BM - 1) / TG__CU_BM, nt = (r->n + TG__CU_BN - 1) / TG__CU_BN, parts = r->partial ? r->blocks : 1;\n",
"const int64_t row = block % mt * TG__CU_BM, col = block / mt % nt * TG__CU_BN, q = block / mt / nt % parts,\n",
"batch = block / mt / nt / parts;\n",
"const int64_t a_at = tg__cu_offset(r->ndim, r->shape, r->ba, batch), b_at = tg__cu_offset(r->ndim, r->shape, r->bb, batch);\n",
"int64_t kb, k0;\n",
"for (kb = r->partial ? q : 0; kb < (r->partial ? q + 1 : r->blocks); kb++) {\n",
"const int64_t end = (kb + 1) * r->block < r->k ? (kb + 1) * r->block : r->k;\n",
"TG__CU(tg__cu_tile_clear)(acc);\n",
"for (k0 = kb * r->block; k0 < end; k0 += TG__CU_BK) {\n",
"TG__CU_THREADS(t) {\n",
"int e;\n",
"for (e = t; e < TG__CU_BM * TG__CU_BK; e += TG__CU_WIDTH) {\n",
"const int kk = r->a_cs == 1 ? e % TG__CU_BK : e / TG__CU_BM, i = r->a_cs == 1 ? e / TG__CU_BK : e % TG__CU_BM;\n",
"as[kk * TG__CU_PAD + i] = k0 + kk < end &&\n",
"row + i < r->m ? TG__CU(tg__cu_get)(TG__CU_DTYPE(1, r->ta), r->a,\n",
"a_at + (row + i) * r->a_rs + (k0 + kk) * r->a_cs) : 0;\n",
"}\n",
"for (e = t; e < TG__CU_BN * TG__CU_BK; e += TG__CU_WIDTH) {\n",
"const int kk = r->b_cs == 1 ? e / TG__CU_BN : e % TG__CU_BK, j = r->b_cs == 1 ? e % TG__CU_BN : e / TG__CU_BK;\n",
"bs[kk * TG__CU_BN + j] = k0 + kk < end && col + j < r->n ? TG__CU(tg__cu_of_b)(r,\n",
"b_at + (k0 + kk) * r->b_rs + (col + j) * r->b_cs) : 0;\n",
"}\n",
"}\n",
"TG__CU_BARRIER\n",
"TG__CU(tg__cu_tile_step)(as, bs, acc);\n",
"TG__CU_BARRIER\n",
"}\n",
"TG__CU(tg__cu_tile_add)(total, acc, kb == 0 || r->partial);\n",
"}\n",
"TG__CU_THREADS(t) {\n",
"const int i0 = t / 16 * 8, j0 = t % 16 * 4;\n",
"const int64_t c_at = tg__cu_offset(r->ndim, r->shape, r->bc, batch),\n",
"bias_at = tg__cu_offset(r->ndim, r->shape, r->bbias, batch), part = (batch * r->blocks + q) * r->m;\n",
"TG__CU_UNROLL for (int e = 0; e < 32; e++) {\n",
"const int64_t i = row + i0 + e / 4, j = col + j0 + e % 4;\n",
"if (i >= r->m || j >= r->n) continue;\n",
"if (r->partial) ((TG__T *)r->partial)[(part + i) * r->n + j] = TG__CU_MY(total, t)[e];\n",
"else TG__CU(tg__cu_finish)(r, c_at, bias_at, i, j, TG__CU_MY(total, t)[e]);\n",
"}\n",
"}\n",
"}\n",
"TG__INLINE void TG__CU(tg__cu_dots)(const tg__cu_gemm *r, int64_t block) {\n",
"TG__CU_SHARED(TG__T, s, TG__CU_WIDTH);\n",
"const int64_t items = r->batch * r->blocks * r->m * r->n;\n",
"int half;\n",
"TG__CU_THREADS(t) {\n",
"const int64_t item = block * 4 + t / 64, j = item % r->n, i = item / r->n % r->m,\n",
"q = item / r->n / r->m % r->blocks, batch = item / r->n / r->m / r->blocks;\n",
"const int64_t end = (q + 1) * r->block < r->k ? (q + 1) * r->block : r->k;\n",
"int64_t a_at, b_at, k;\n",
"TG__T v = 0;\n",
"if (item >= items) continue;\n",
"a_at = tg__cu_offset(r->ndim, r->shape, r->ba, batch) + i * r->a_rs;\n",
"b_at = tg__cu_offset(r->ndim, r->shape, r->bb, batch) + j * r->b_cs;\n",
"for (k = q * r->block + t % 64; k < end; k += 64)\n",
"v = TG__CU_FMA(TG__CU(tg__cu_get)(TG__CU_DTYPE(1, r->ta), r->a, a_at + k * r->a_cs),\n",
"TG__CU(tg__cu_of_b)(r, b_at + k * r->b_rs), v);\n",
"s[t] = v;\n",
"}\n",
"TG__CU_BARRIER\n",
"for (half = 32; half > 0; half /= 2) {\n",
"TG__CU_THREADS(t) if (t % 64 < half && block * 4 + t / 64 < items) s[t] = TG__CU_PLUS(s[t], s[t + half]);\n",
"TG__CU_BARRIER\n",
"}\n",
"TG__CU_THREADS(t) {\n",
"const int64_t item = block * 4 + t / 64;\n",
"if (t % 64 == 0 && item < items)\n",
"TG__CU(tg__cu_part)(r, item / r->n / r->m / r->blocks, item / r->n / r->m % r->blocks, item / r->n % r->m, item % r->n, s[t]);\n",
"}\n",
"}\n",
"#line 5640 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void TG__CU(tg__cu_lanes)(const tg__cu_gemm *r, int64_t block) {\n",
"TG__CU_SHARED(TG__T, s, TG__CU_WIDTH);\n",
"const int64_t nt = (r->n + 31) / 32, i = block / nt % r->m, q = block / nt / r->m % r->blocks, batch = block / nt / r->m / r->blocks;\n",
"const int64_t end = (q + 1) * r->block < r->k ? (q + 1) * r->block : r->k;\n",
"int half;\n",
"TG__CU_THREADS(t) {\n",
"const int64_t j = block % nt * 32 + t % 32;\n",
"int64_t a_at, b_at, k;\n",
"TG__T lane[8];\n",
"int e;\n",
"if (j >= r->n) continue;\n",
"a_at = tg__cu_offset(r->ndim, r->shape, r->ba, batch) + i * r->a_rs;\n",
"b_at = tg__cu_offset(r->ndim, r->shape, r->bb, batch) + j * r->b_cs;\n",
"TG__CU_UNROLL for (e = 0; e < 8; e++) lane[e] = 0;\n",
"for (k = q * r->block + t / 32; k < end; k += 64) {\n",
"TG__CU_UNROLL for (e = 0; e < 8; e++)\n",
"if (k + e * 8 < end)\n",
"lane[e] = TG__CU_FMA(TG__CU(tg__cu_get)(TG__CU_DTYPE(1, r->ta), r->a,\n",
"a_at + (k + e * 8) * r->a_cs), TG__CU(tg__cu_of_b)(r, b_at + (k + e * 8) * r->b_rs), lane[e]);\n",
"}\n",
"TG__CU_UNROLL for (e = 0; e < 4; e++) lane[e] = TG__CU_PLUS(lane[e], lane[e + 4]);\n",
"s[t] = TG__CU_PLUS(TG__CU_PLUS(lane[0], lane[2]), TG__CU_PLUS(lane[1], lane[3]));\n",
"}\n",
"TG__CU_BARRIER\n",
"for (half = 4; half > 0; half /= 2) {\n",
"TG__CU_THREADS(t) if (t / 32 < half && block % nt * 32 + t % 32 < r->n) s[t] = TG__CU_PLUS(s[t], s[t + half * 32]);\n",
"TG__CU_BARRIER\n",
"}\n",
"TG__CU_THREADS(t) if (t < 32 && block % nt * 32 + t < r->n) TG__CU(tg__cu_part)(r, batch, q, i, block % nt * 32 + t, s[t]);\n",
"}\n",
"TG__INLINE void TG__CU(tg__cu_add_parts)(const tg__cu_gemm *r, int64_t block) {\n",
"TG__CU_THREADS(t) {\n",
"const int64_t at = block * TG__CU_WIDTH + t, each = r->m * r->n, batch = at / each;\n",
"const TG__T *part = (const TG__T *)r->partial;\n",
"TG__T v;\n",
"int64_t q;\n",
"if (at >= r->batch * each) continue;\n",
"part += batch * r->blocks * each + at % each;\n",
"v = part[0];\n",
"for (q = 1; q < r->blocks; q++) v = TG__CU_PLUS(v, part[q * each]);\n",
"TG__CU(tg__cu_finish)(r, tg__cu_offset(r->ndim, r->shape, r->bc, batch),\n",
"tg__cu_offset(r->ndim, r->shape, r->bbias, batch), at % each / r->n, at % r->n, v);\n",
"}\n",
"}\n",
"TG__CU_KERNEL(TG__CU(tg__cu_gemm_tiles), tg__cu_gemm, TG__CU(tg__cu_tiles)(r, block))\n",
"TG__CU_KERNEL(TG__CU(tg__cu_gemm_dots), tg__cu_gemm, TG__CU(tg__cu_dots)(r, block))\n",
"TG__CU_KERNEL(TG__CU(tg__cu_gemm_lanes), tg__cu_gemm, TG__CU(tg__cu_lanes)(r, block))\n",
"TG__CU_KERNEL(TG__CU(tg__cu_gemm_parts), tg__cu_gemm, TG__CU(tg__cu_add_parts)(r, block))\n",
"#endif\n",
"#endif\n",
"#line 5691 \"tensorgrad_cuda.h\"\n",
"#if (!defined(TG__CU_ONLY) || defined(TG__CU_ONLY_CONV)) && TG__CU_TYPE != 0\n",
"#line 5693 \"tensorgrad_cuda.h\"\n",
"#ifndef TG__CU_CONV\n",
"#define TG__CU_CONV\n",
"typedef struct tg__cu_spot { int64_t at; int32_t z, y, x; } tg__cu_spot;\n",
"#line 5698 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void tg__cu_split(const int64_t *size, int64_t i, int64_t *p) {\n",
"TG__CU_ROLL for (int d = 3; d > 0; d--) { const int64_t q = i / size[d]; p[d] = i - q * size[d]; i = q; }\n",
"p[0] = i;\n",
"}\n",
"TG__INLINE int64_t tg__cu_four(const int64_t *p, const int64_t *step) {\n",
"return p[0] * step[0] + p[1] * step[1] + p[2] * step[2] + p[3] * step[3];\n",
"}\n",
"TG__INLINE tg__cu_spot tg__cu_row_spot(const tg__cu_conv *r, const int64_t *p) {\n",
"tg__cu_spot s;\n",
"s.at = p[0] * r->m_step;\n",
"s.z = (int32_t)p[1] * r->m_scale[0] + r->shift[0]; s.y = (int32_t)p[2] * r->m_scale[1] + r->shift[1];\n",
"s.x = (int32_t)p[3] * r->m_scale[2] + r->shift[2];\n",
"return s;\n",
"}\n",
"TG__INLINE tg__cu_spot tg__cu_k_spot(const tg__cu_conv *r, const int64_t *p) {\n",
"tg__cu_spot s;\n",
"s.at = p[0] * r->k_step;\n",
"s.z = (int32_t)p[1] * r->k_scale[0]; s.y = (int32_t)p[2] * r->k_scale[1]; s.x = (int32_t)p[3] * r->k_scale[2];\n",
"return s;\n",
"}\n",
"#line 5719 \"tensorgrad_cuda.h\"\n",
"TG__INLINE int tg__cu_inside(const tg__cu_conv *r, int d, int32_t *v) {\n",
"if (r->divide[d] != 1) {\n",
"if (*v < 0 || *v % r->divide[d]) return 0;\n",
"*v /= r->divide[d];\n",
"}\n",
"return (uint32_t)*v < (uint32_t)r->size[d];\n",
"}\n",
"#endif\n",
"TG__INLINE TG__T TG__CU(tg__cu_gathered)(const tg__cu_conv *r, int64_t at, const tg__cu_spot *m, const tg__cu_spot *k) {\n",
"int32_t z = m->z + k->z, y = m->y + k->y, x = m->x + k->x;\n",
"if (!tg__cu_inside(r, 0, &z) || !tg__cu_inside(r, 1, &y) || !tg__cu_inside(r, 2, &x)) return 0;\n",
"return TG__CU(tg__cu_get)(TG__CU_DTYPE(0, r->dtype), r->in,\n",
"at + m->at + k->at + z * r->in_step[0] + y * r->in_step[1] + x * r->in_step[2]);\n",
"}\n",
"TG__INLINE void TG__CU(tg__cu_conv_put)(const tg__cu_conv *r, int64_t group, int64_t m, int64_t n, TG__T v) {\n",
"int64_t p[4];\n",
"if (r->bias) v += TG__CU(tg__cu_get)(TG__CU_DTYPE(0, r->dtype), r->bias, (group * r->n + n) * r->bias_step);\n",
"tg__cu_split(r->m_size, m, p);\n",
"TG__CU(tg__cu_put)(TG__CU_DTYPE(0, r->dtype), r->y, group * r->y_group + n * r->y_n + tg__cu_four(p, r->y_m), v);\n",
"}\n",
"TG__INLINE void TG__CU(tg__cu_conv_sum)(const tg__cu_conv *r, int64_t group, int64_t q, int64_t m, int64_t n, TG__T v) {\n",
"if (r->partial) ((TG__T *)r->partial)[((group * r->blocks + q) * r->n + n) * r->m + m] = v;\n",
"else TG__CU(tg__cu_conv_put)(r, group, m, n, v);\n",
"}\n",
"TG__INLINE void TG__CU(tg__cu_conv_tile)(const tg__cu_conv *r, int64_t block) {\n",
"TG__CU_SHARED(TG__T, as, TG__CU_BK * TG__CU_PAD);\n",
"TG__CU_SHARED(TG__T, bs, TG__CU_BK * TG__CU_BN);\n",
"TG__CU_SHARED(tg__cu_spot, ks, TG__CU_BK);\n",
"TG__CU_SHARED(int64_t, kf, TG__CU_BK);\n",
"TG__CU_OWN(TG__T, acc, 32);\n",
"TG__CU_OWN(TG__T, total, 32);\n",
"TG__CU_OWN(tg__cu_spot, own, 1);\n",
"const int64_t mt = (r->m + TG__CU_BM - 1) / TG__CU_BM, nt = (r->n + TG__CU_BN - 1) / TG__CU_BN, parts = r->partial ? r->blocks : 1;\n",
"const int64_t row = block % mt * TG__CU_BM, col = block / mt % nt * TG__CU_BN, q = block / mt / nt % parts,\n",
"group = block / mt / nt / parts;\n",
"int64_t kb, k0;\n",
"TG__CU_THREADS(t) {\n",
"int64_t p[4] = { 0, 0, 0, 0 };\n",
"if (row + t % TG__CU_BM < r->m) tg__cu_split(r->m_size, row + t % TG__CU_BM, p);\n",
"TG__CU_MY(own, t)[0] = tg__cu_row_spot(r, p);\n",
"}\n",
"for (kb = r->partial ? q : 0; kb < (r->partial ? q + 1 : r->blocks); kb++) {\n",
"const int64_t end = (kb + 1) * r->block < r->k ? (kb + 1) * r->block : r->k;\n",
"TG__CU(tg__cu_tile_clear)(acc);\n",
"for (k0 = kb * r->block; k0 < end; k0 += TG__CU_BK) {\n",
"TG__CU_THREADS(t) if (t < TG__CU_BK) {\n",
"int64_t p[4] = { 0, 0, 0, 0 };\n",
"if (k0 + t < end) tg__cu_split(r->k_size, k0 + t, p);\n",
"ks[t] = tg__cu_k_spot(r, p);\n",
"kf[t] = tg__cu_four(p, r->f_k);\n",
"}\n",
"TG__CU_BARRIER\n",
"TG__CU_THREADS(t) {\n",
"int e;\n",
"for (e = t; e < TG__CU_BM * TG__CU_BK; e += TG__CU_WIDTH) {\n",
"const int kk = e / TG__CU_BM, i = e % TG__CU_BM;\n",
"as[kk * TG__CU_PAD + i] = k0 + kk < end && row + i < r->m ? TG__CU(tg__cu_gathered)(r,\n",
"group * r->in_group, &TG__CU_MY(own, t)[0], &ks[kk]) : 0;\n",
"}\n",
"for (e = t; e < TG__CU_BN * TG__CU_BK; e += TG__CU_WIDTH) {\n",
"const int kk = e / TG__CU_BN, j = e % TG__CU_BN;\n",
"bs[kk * TG__CU_BN + j] = k0 + kk < end &&\n",
"col + j < r->n ? TG__CU(tg__cu_get)(TG__CU_DTYPE(0, r->dtype), r->filter,\n",
"group * r->f_group + (col + j) * r->f_n + kf[kk]) : 0;\n",
"}\n",
"}\n",
"TG__CU_BARRIER\n",
"TG__CU(tg__cu_tile_step)(as, bs, acc);\n",
"TG__CU_BARRIER\n",
"}\n",
"TG__CU(tg__cu_tile_add)(total, acc, kb == 0 || r->partial);\n",
"}\n",
"TG__CU_THREADS(t) {\n",
"TG__CU_UNROLL for (int e = 0; e < 32; e++) {\n",
"const int64_t m = row + t / 16 * 8 + e / 4, n = col + t % 16 * 4 + e % 4;\n",
"if (m < r->m && n < r->n) TG__CU(tg__cu_conv_sum)(r, group, q, m, n, TG__CU_MY(total, t)[e]);\n",
"}\n",
"}\n",
"}\n",
"#line 5799 \"tensorgrad_cuda.h\"\n",
"TG__INLINE void TG__CU(tg__cu_conv_one)(const tg__cu_conv *r, int64_t item) {\n",
"const int64_t parts = r->partial ? r->blocks : 1, m = item % r->m, n = item / r->m % r->n,\n",
"q = item / r->m / r->n % parts, group = item / r->m / r->n / parts;\n",
"int64_t p[4], kb, k;\n",
"tg__cu_spot row;\n",
"TG__T total = 0;\n",
"if (group >= r->groups) return;\n",
"tg__cu_split(r->m_size, m, p);\n",
"row = tg__cu_row_spot(r, p);\n",
"for (kb = r->partial ? q : 0; kb < (r->partial ? q + 1 : r->blocks); kb++) {\n",
"const int64_t end = (kb + 1) * r->block < r->k ? (kb + 1) * r->block : r->k;\n",
"TG__T sum = 0;\n",
"tg__cu_split(r->k_size, kb * r->block, p);\n",
"for (k = kb * r->block; k < end; k++) {\n",
"const tg__cu_spot at = tg__cu_k_spot(r, p);\n",
"sum = TG__CU_FMA(TG__CU(tg__cu_gathered)(r, group * r->in_group, &row, &at),\n",
"TG__CU(tg__cu_get)(TG__CU_DTYPE(0, r->dtype), r->filter,\n",
"group * r->f_group + n * r->f_n + tg__cu_four(p, r->f_k)), sum);\n",
"if (++p[3] == r->k_size[3]) {\n",
"p[3] = 0; if (++p[2] == r->k_size[2]) { p[2] = 0; if (++p[1] == r->k_size[1]) { p[1] = 0; p[0]++; } }\n",
"}\n",
"}\n",
"total = kb == 0 || r->partial ? sum : total + sum;\n",
"}\n",
"TG__CU(tg__cu_conv_sum)(r, group, q, m, n, total);\n",
"}\n",
"TG__INLINE void TG__CU(tg__cu_conv_join)(const tg__cu_conv *r, int64_t i) {\n",
"const int64_t each = r->m * r->n, group = i / each;\n",
"const TG__T *part = (const TG__T *)r->partial + group * r->blocks * each + i % each;\n",
"TG__T v;\n",
"if (group >= r->groups) return;\n",
"v = part[0];\n",
"for (int64_t q = 1; q < r->blocks; q++) v += part[q * each];\n",
"TG__CU(tg__cu_conv_put)(r, group, i % each % r->m, i % each / r->m, v);\n",
"}\n",
"TG__CU_KERNEL(TG__CU(tg__cu_conv_tiles), tg__cu_conv, TG__CU(tg__cu_conv_tile)(r, block))\n",
"TG__CU_KERNEL(TG__CU(tg__cu_conv_narrow), tg__cu_conv, { TG__CU_THREADS(t) TG__CU(tg__cu_conv_one)(r, block * TG__CU_WIDTH + t); })\n",
"TG__CU_KERNEL(TG__CU(tg__cu_conv_parts), tg__cu_conv, { TG__CU_THREADS(t) TG__CU(tg__cu_conv_join)(r, block * TG__CU_WIDTH + t); })\n",
"#endif\n",
NULL };
/* ---- end of the text ---- */
TG__PRIVATE const char *const *tg__cu_text(bool kernels) { return kernels ? tg__cu_kernels : tg__cu_words; }
#endif
