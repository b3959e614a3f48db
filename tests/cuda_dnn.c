/* What tensorgrad_cuda.h declares of cuDNN by hand, beside NVIDIA's own header, in the way of cuda_blas.c; test_cuda.sh looks for cudnn.h, of version 8 or 9, and for the toolkit's headers that it includes. */
#define TENSORGRAD_IMPLEMENTATION
#include "../tensorgrad.h"
#include "../tensorgrad_cuda.h"
#include <cudnn.h>

#define SAME(name, ours, theirs) typedef char same_##name[(long long)(ours) == (long long)(theirs) ? 1 : -1];
SAME(f32, TG__CU_DNN_F32, CUDNN_DATA_FLOAT) SAME(f64, TG__CU_DNN_F64, CUDNN_DATA_DOUBLE) SAME(f16, TG__CU_DNN_F16, CUDNN_DATA_HALF) SAME(bf16, TG__CU_DNN_BF16, CUDNN_DATA_BFLOAT16)
SAME(rows, TG__CU_DNN_ROWS, CUDNN_TENSOR_NCHW) SAME(channels, TG__CU_DNN_CHANNELS, CUDNN_TENSOR_NHWC) SAME(correlation, TG__CU_DNN_CORRELATION, CUDNN_CROSS_CORRELATION)
SAME(as_it_is, TG__CU_DNN_DEFAULT, CUDNN_DEFAULT_MATH) SAME(matrix, TG__CU_DNN_MATRIX, CUDNN_TENSOR_OP_MATH) SAME(fma, TG__CU_DNN_FMA, CUDNN_FMA_MATH)
SAME(success, 0, CUDNN_STATUS_SUCCESS) SAME(deterministic, 1, CUDNN_DETERMINISTIC) SAME(execution, CUDNN_MAJOR < 9 ? TG__CU_DNN_EXECUTION_8 : TG__CU_DNN_EXECUTION, CUDNN_STATUS_EXECUTION_FAILED)
#define WAY(type, name) SAME(name, sizeof(tg__cu_algorithm), sizeof(type)) SAME(name##_algorithm, offsetof(tg__cu_algorithm, algorithm), offsetof(type, algo)) SAME(name##_state, offsetof(tg__cu_algorithm, state), offsetof(type, status)) \
    SAME(name##_work, offsetof(tg__cu_algorithm, work), offsetof(type, memory)) SAME(name##_deterministic, offsetof(tg__cu_algorithm, deterministic), offsetof(type, determinism)) SAME(name##_maths, offsetof(tg__cu_algorithm, maths), offsetof(type, mathType))
WAY(cudnnConvolutionFwdAlgoPerf_t, result) WAY(cudnnConvolutionBwdDataAlgoPerf_t, by_data) WAY(cudnnConvolutionBwdFilterAlgoPerf_t, by_weight)
SAME(enums_are_ints, sizeof(int), sizeof(cudnnStatus_t)) SAME(pointers, sizeof(void *), sizeof(cudaStream_t))

static int create(void **handle) { return (int)cudnnCreate((cudnnHandle_t *)(void *)handle); }
static int destroy(void *handle) { return (int)cudnnDestroy((cudnnHandle_t)handle); }
static int stream(void *handle, void *of) { return (int)cudnnSetStream((cudnnHandle_t)handle, (cudaStream_t)of); }
static int tensor_new(void **tensor) { return (int)cudnnCreateTensorDescriptor((cudnnTensorDescriptor_t *)(void *)tensor); }
static int tensor_free(void *tensor) { return (int)cudnnDestroyTensorDescriptor((cudnnTensorDescriptor_t)tensor); }
static int tensor_set(void *tensor, int type, int dims, const int *sizes, const int *strides) { return (int)cudnnSetTensorNdDescriptor((cudnnTensorDescriptor_t)tensor, (cudnnDataType_t)type, dims, sizes, strides); }
static int filter_new(void **filter) { return (int)cudnnCreateFilterDescriptor((cudnnFilterDescriptor_t *)(void *)filter); }
static int filter_free(void *filter) { return (int)cudnnDestroyFilterDescriptor((cudnnFilterDescriptor_t)filter); }
static int filter_set(void *filter, int type, int format, int dims, const int *sizes) { return (int)cudnnSetFilterNdDescriptor((cudnnFilterDescriptor_t)filter, (cudnnDataType_t)type, (cudnnTensorFormat_t)format, dims, sizes); }
static int conv_new(void **conv) { return (int)cudnnCreateConvolutionDescriptor((cudnnConvolutionDescriptor_t *)(void *)conv); }
static int conv_free(void *conv) { return (int)cudnnDestroyConvolutionDescriptor((cudnnConvolutionDescriptor_t)conv); }
static int conv_set(void *conv, int dims, const int *padding, const int *strides, const int *dilation, int mode, int compute) {
    return (int)cudnnSetConvolutionNdDescriptor((cudnnConvolutionDescriptor_t)conv, dims, padding, strides, dilation, (cudnnConvolutionMode_t)mode, (cudnnDataType_t)compute);
}
static int conv_groups(void *conv, int groups) { return (int)cudnnSetConvolutionGroupCount((cudnnConvolutionDescriptor_t)conv, groups); }
static int conv_math(void *conv, int maths) { return (int)cudnnSetConvolutionMathType((cudnnConvolutionDescriptor_t)conv, (cudnnMathType_t)maths); }
/* first, second and result: a tensor or a filter, by kind */
#define KIND(name, way, algorithm_type, FIRST, SECOND, RESULT) \
    static int ask_##name(void *handle, void *first, void *second, void *conv, void *result, int most, int *n, tg__cu_algorithm *found) { \
        return (int)cudnnGetConvolution##name##Algorithm_v7((cudnnHandle_t)handle, (FIRST)first, (SECOND)second, (cudnnConvolutionDescriptor_t)conv, (RESULT)result, most, n, (way *)(void *)found); } \
    static int room_##name(void *handle, void *first, void *second, void *conv, void *result, int algorithm, size_t *size) { \
        return (int)cudnnGetConvolution##name##WorkspaceSize((cudnnHandle_t)handle, (FIRST)first, (SECOND)second, (cudnnConvolutionDescriptor_t)conv, (RESULT)result, (algorithm_type)algorithm, size); } \
    static int convolve_##name(void *handle, const void *alpha, void *first_layout, const void *first, void *second_layout, const void *second, void *conv, int algorithm, void *work, size_t work_size, const void *beta, void *result_layout, void *result) { \
        return (int)cudnnConvolution##name((cudnnHandle_t)handle, alpha, (FIRST)first_layout, first, (SECOND)second_layout, second, (cudnnConvolutionDescriptor_t)conv, (algorithm_type)algorithm, work, work_size, beta, (RESULT)result_layout, result); }
KIND(Forward, cudnnConvolutionFwdAlgoPerf_t, cudnnConvolutionFwdAlgo_t, cudnnTensorDescriptor_t, cudnnFilterDescriptor_t, cudnnTensorDescriptor_t)
KIND(BackwardData, cudnnConvolutionBwdDataAlgoPerf_t, cudnnConvolutionBwdDataAlgo_t, cudnnFilterDescriptor_t, cudnnTensorDescriptor_t, cudnnTensorDescriptor_t)
KIND(BackwardFilter, cudnnConvolutionBwdFilterAlgoPerf_t, cudnnConvolutionBwdFilterAlgo_t, cudnnTensorDescriptor_t, cudnnTensorDescriptor_t, cudnnFilterDescriptor_t)
static const char *words(int code) { return cudnnGetErrorString((cudnnStatus_t)code); }

tg__cu_dnn all_of_it(void);
tg__cu_dnn all_of_it(void) {
    static const tg__cu_dnn n = { create, destroy, stream, tensor_new, tensor_free, tensor_set, filter_new, filter_free, filter_set, conv_new, conv_free, conv_set, conv_groups, conv_math,
        { ask_Forward, ask_BackwardData, ask_BackwardFilter }, { room_Forward, room_BackwardData, room_BackwardFilter }, { convolve_Forward, convolve_BackwardData, convolve_BackwardFilter }, words };
    return n;
}
/* as many names as functions: the one are loaded in the order of the other */
SAME(names, sizeof tg__cu_dnn_names / sizeof *tg__cu_dnn_names - 1, sizeof(tg__cu_dnn) / sizeof(void (*)(void)))
SAME(blas_names, sizeof tg__cu_blas_names / sizeof *tg__cu_blas_names - 1, sizeof(tg__cu_blas) / sizeof(void (*)(void)))
