/* What tensorgrad_cuda.h declares of cuBLASLt by hand, beside NVIDIA's own header: it need only compile, and does so where cublasLt.h is installed (test_cuda.sh looks for it). Numbers and
   sizes are compared by arrays that would have a size below 0; functions by calling the real ones with the declared parameters, and by taking the addresses of such calls. */
#define TENSORGRAD_IMPLEMENTATION
#include "../tensorgrad.h"
#include "../tensorgrad_cuda.h"
#include <cublasLt.h>

#define SAME(name, ours, theirs) typedef char same_##name[(long long)(ours) == (long long)(theirs) ? 1 : -1];
SAME(f32, TG__CU_BLAS_F32, CUDA_R_32F) SAME(f64, TG__CU_BLAS_F64, CUDA_R_64F) SAME(f16, TG__CU_BLAS_F16, CUDA_R_16F) SAME(bf16, TG__CU_BLAS_BF16, CUDA_R_16BF)
SAME(in_f32, TG__CU_BLAS_IN_F32, CUBLAS_COMPUTE_32F) SAME(in_f64, TG__CU_BLAS_IN_F64, CUBLAS_COMPUTE_64F) SAME(in_tf32, TG__CU_BLAS_IN_TF32, CUBLAS_COMPUTE_32F_FAST_TF32)
SAME(turn_a, TG__CU_BLAS_TURN_A, CUBLASLT_MATMUL_DESC_TRANSA) SAME(turn_b, TG__CU_BLAS_TURN_B, CUBLASLT_MATMUL_DESC_TRANSB) SAME(epilogue, TG__CU_BLAS_EPILOGUE, CUBLASLT_MATMUL_DESC_EPILOGUE)
SAME(bias_at, TG__CU_BLAS_BIAS_AT, CUBLASLT_MATMUL_DESC_BIAS_POINTER) SAME(bias, TG__CU_BLAS_BIAS, CUBLASLT_EPILOGUE_BIAS) SAME(turned, TG__CU_BLAS_TURNED, CUBLAS_OP_T)
SAME(batch, TG__CU_BLAS_BATCH, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT) SAME(batch_step, TG__CU_BLAS_BATCH_STEP, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET)
SAME(work, TG__CU_BLAS_WORK, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES) SAME(sums, TG__CU_BLAS_SUMS, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK) SAME(computed, TG__CU_BLAS_SUMS_COMPUTED, CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE)
SAME(aligned_a, TG__CU_BLAS_ALIGNED, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES) SAME(aligned_b, TG__CU_BLAS_ALIGNED + 1, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES)
SAME(aligned_c, TG__CU_BLAS_ALIGNED + 2, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES) SAME(aligned_d, TG__CU_BLAS_ALIGNED + 3, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES)
SAME(execution, TG__CU_BLAS_EXECUTION, CUBLAS_STATUS_EXECUTION_FAILED) SAME(internal, TG__CU_BLAS_INTERNAL, CUBLAS_STATUS_INTERNAL_ERROR) SAME(success, 0, CUBLAS_STATUS_SUCCESS)
SAME(op_n, 0, CUBLAS_OP_N) SAME(column_order, 0, CUBLASLT_ORDER_COL) SAME(host_scalars, 0, CUBLASLT_POINTER_MODE_HOST)      /* what is there when nothing is set */
SAME(way, sizeof(tg__cu_way), sizeof(cublasLtMatmulHeuristicResult_t)) SAME(way_work, offsetof(tg__cu_way, work), offsetof(cublasLtMatmulHeuristicResult_t, workspaceSize))
SAME(way_state, offsetof(tg__cu_way, state), offsetof(cublasLtMatmulHeuristicResult_t, state)) SAME(way_algorithm, sizeof(((tg__cu_way *)0)->algorithm), sizeof(cublasLtMatmulAlgo_t))
SAME(enums_are_ints, sizeof(int), sizeof(cublasStatus_t)) SAME(pointers, sizeof(void *), sizeof(cudaStream_t))

static int create(void **handle) { return (int)cublasLtCreate((cublasLtHandle_t *)(void *)handle); }
static int destroy(void *handle) { return (int)cublasLtDestroy(handle); }
static int product_new(void **product, int compute, int scale) { return (int)cublasLtMatmulDescCreate((cublasLtMatmulDesc_t *)(void *)product, (cublasComputeType_t)compute, (cudaDataType_t)scale); }
static int product_free(void *product) { return (int)cublasLtMatmulDescDestroy(product); }
static int product_set(void *product, int what, const void *value, size_t size) { return (int)cublasLtMatmulDescSetAttribute(product, (cublasLtMatmulDescAttributes_t)what, value, size); }
static int layout_new(void **layout, int type, uint64_t rows, uint64_t columns, int64_t step) { return (int)cublasLtMatrixLayoutCreate((cublasLtMatrixLayout_t *)(void *)layout, (cudaDataType)type, rows, columns, step); }
static int layout_free(void *layout) { return (int)cublasLtMatrixLayoutDestroy(layout); }
static int layout_set(void *layout, int what, const void *value, size_t size) { return (int)cublasLtMatrixLayoutSetAttribute(layout, (cublasLtMatrixLayoutAttribute_t)what, value, size); }
static int wish_new(void **wish) { return (int)cublasLtMatmulPreferenceCreate((cublasLtMatmulPreference_t *)(void *)wish); }
static int wish_free(void *wish) { return (int)cublasLtMatmulPreferenceDestroy(wish); }
static int wish_set(void *wish, int what, const void *value, size_t size) { return (int)cublasLtMatmulPreferenceSetAttribute(wish, (cublasLtMatmulPreferenceAttributes_t)what, value, size); }
static int ask(void *handle, void *product, void *a, void *b, void *c, void *d, void *wish, int most, tg__cu_way *ways, int *n) {
    return (int)cublasLtMatmulAlgoGetHeuristic(handle, product, a, b, c, d, wish, most, (cublasLtMatmulHeuristicResult_t *)(void *)ways, n);
}
static int multiply(void *handle, void *product, const void *alpha, const void *a, void *la, const void *b, void *lb, const void *beta, const void *c, void *lc, void *d, void *ld,
    const void *algorithm, void *work, size_t work_size, void *stream) {
    return (int)cublasLtMatmul(handle, product, alpha, a, la, b, lb, beta, c, lc, d, ld, algorithm, work, work_size, stream);
}
tg__cu_blas all_of_it(void);
tg__cu_blas all_of_it(void) {
    tg__cu_blas b;
#define TAKE(field, name, parameters) b.field = field;
    TG__CU_BLAS(TAKE)
    return b;
}
