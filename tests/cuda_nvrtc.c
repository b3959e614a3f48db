/* What tensorgrad_cuda.h would have compiled on a GPU, compiled by the real NVRTC, which needs no GPU: programs of every group for the compute capabilities that are supported, and every row of the
   formula table with its derivatives. No error and no warning. Of the real cuBLASLt and cuDNN, what needs no GPU: they have what is called, and take the descriptors of products and convolutions. test_cuda.sh builds and runs it. Arguments: `quick`, or `all`, which takes more dtypes and kinds. */
#include "test.h"
#include <time.h>
#include "../tensorgrad_cuda.h"

static tg__cu s;
static double spent;

/* Compiles a program's text, with more formulas behind it; what the compiler says is a failure. */
static void compile(const tg__cu_key *k, const char *more, int arch, bool binary, const char *what) {
    tg__text t = tg__text_over(NULL, 0);
    char *text, option[48], *log;
    const char *options[3];
    void *program = NULL;
    size_t size = 0, room;
    int code;
    clock_t begin = clock();
    tg__cu_source(&t, k);
    room = t.length + strlen(more) + 1;
    text = (char *)malloc(room);
    t = tg__text_over(text, room);
    tg__cu_source(&t, k); tg__put(&t, more);
    sprintf(option, "--gpu-architecture=%s_%d", binary ? "sm" : "compute", arch);
    options[0] = option; options[1] = "--fmad=false"; options[2] = "--std=c++14";
    code = s.c.create(&program, text, "tensorgrad_cuda.h", 0, NULL, NULL);
    if (!code) code = s.c.compile(program, 3, options);
    (void)s.c.log_size(program, &size);
    log = (char *)calloc(1, size + 1);
    if (size > 1) (void)s.c.log(program, log);
    CHECK_MSG(code == 0 && !strstr(log, "warning") && !strstr(log, "error"), "%s for %d: code %d, %.600s", what, arch, code, log);
    if (!code) {
        code = binary ? s.c.binary_size(program, &size) : s.c.ptx_size(program, &size);
        CHECK_MSG(code == 0 && size > 100, "%s for %d: no program", what, arch);
    }
    (void)s.c.destroy(&program);
    free(log); free(text);
    spent = (double)(clock() - begin) / CLOCKS_PER_SEC;
}

/* Its descriptors stand in the host's memory: nothing of it needs a GPU but the questions and the products. */
static void real_blas(void) {
    static const char *const names[] = { "libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so.11", "libcublasLt.so", NULL };
    static const int types[] = { TG__CU_BLAS_F32, TG__CU_BLAS_F64, TG__CU_BLAS_F16, TG__CU_BLAS_BF16 };
    static const char somewhere[16];
    const char *const at = somewhere;
    const int32_t turned = TG__CU_BLAS_TURNED, batch = 7;
    const uint32_t epilogue = TG__CU_BLAS_BIAS, sums = TG__CU_BLAS_SUMS_COMPUTED, aligned = 64;
    const uint64_t work = 32 << 20;
    const int64_t step = 12345;
    void *p = NULL;
    int i, k;
    s.blas.library = tg__cu_need(&s, NULL, "cuBLASLt", names, NULL);
    if (!s.blas.library) { printf("SKIP %s\n", s.why); test_skipped++; return; }
    if (!CHECK_MSG(tg__cu_functions(&s, s.blas.library, "cuBLASLt", tg__cu_blas_names, &s.b), "%s", s.why)) return;
    for (i = 0; i < 4; i++) {
        CHECK(s.b.layout_new(&p, types[i], 30, 40, 35) == 0 && s.b.layout_set(p, TG__CU_BLAS_BATCH, &batch, sizeof batch) == 0 && s.b.layout_set(p, TG__CU_BLAS_BATCH_STEP, &step, sizeof step) == 0);
        CHECK(s.b.layout_set(p, TG__CU_BLAS_BATCH, &batch, 8) != 0);           /* a size that is not the attribute's */
        CHECK(s.b.layout_free(p) == 0);
    }
    for (i = 0; i < 3; i++) {
        CHECK(s.b.product_new(&p, i == 0 ? TG__CU_BLAS_IN_F32 : i == 1 ? TG__CU_BLAS_IN_F64 : TG__CU_BLAS_IN_TF32, i == 1 ? TG__CU_BLAS_F64 : TG__CU_BLAS_F32) == 0);
        CHECK(s.b.product_set(p, TG__CU_BLAS_TURN_A, &turned, sizeof turned) == 0 && s.b.product_set(p, TG__CU_BLAS_TURN_B, &turned, sizeof turned) == 0);
        CHECK(s.b.product_set(p, TG__CU_BLAS_EPILOGUE, &epilogue, sizeof epilogue) == 0 && s.b.product_set(p, TG__CU_BLAS_BIAS_AT, &at, sizeof at) == 0 && s.b.product_free(p) == 0);
    }
    CHECK(s.b.wish_new(&p) == 0 && s.b.wish_set(p, TG__CU_BLAS_WORK, &work, sizeof work) == 0 && s.b.wish_set(p, TG__CU_BLAS_SUMS, &sums, sizeof sums) == 0);
    for (k = 0; k < 4; k++) CHECK(s.b.wish_set(p, TG__CU_BLAS_ALIGNED + k, &aligned, sizeof aligned) == 0);
    CHECK(s.b.wish_free(p) == 0);
    k = s.b.create(&p);                                                        /* without a GPU an error, with one a handle */
    printf("cuBLASLt: its descriptors are taken; a handle: code %d\n", k);
    if (k == 0) CHECK(s.b.destroy(p) == 0);
}

/* Convolutions as requests tell them become descriptors, from which the library finds the same size of the result. Without a handle nobody can be asked: each plan is refused. */
static int TG__CU_CALL nobody(void *handle, void *first, void *second, void *conv, void *result, int most, int *n, tg__cu_algorithm *found) {
    (void)handle; (void)first; (void)second; (void)conv; (void)result; (void)most; (void)found;
    *n = 0;
    return 0;
}
static void real_dnn(void) {
    static const char *const names[] = { "libcudnn.so.9", "libcudnn.so.8", "libcudnn.so", NULL };
    static const tg_dtype types[] = { TG_F32, TG_F64, TG_F16, TG_BF16 };
    static const struct { int64_t x[5], f[5], how[9], groups; bool channels; } cases[] = {
        { { 2, 8, 1, 13, 12 }, { 12, 8, 1, 3, 2 }, { 1, 2, 3, 0, 1, 4, 1, 2, 3 }, 1, false }, { { 2, 8, 1, 13, 12 }, { 12, 8, 1, 3, 2 }, { 1, 2, 3, 0, 1, 4, 1, 2, 3 }, 1, true }, { { 3, 20, 1, 9, 10 }, { 12, 10, 1, 5, 4 }, { 1, 1, 1, 0, 0, 0, 1, 1, 1 }, 2, false },
        { { 1, 6, 1, 1, 40 }, { 8, 6, 1, 1, 7 }, { 1, 1, 3, 0, 0, 2, 1, 1, 2 }, 1, false }, { { 2, 6, 7, 8, 9 }, { 8, 6, 2, 3, 4 }, { 2, 1, 3, 1, 2, 0, 1, 2, 1 }, 1, false }, { { 2, 6, 7, 8, 9 }, { 8, 6, 2, 3, 4 }, { 2, 1, 3, 1, 2, 0, 1, 2, 1 }, 1, true }
    };
    int (TG__CU_CALL *size_of)(const void *conv, const void *x, const void *filter, int dims, int *sizes);
    void *handle = NULL;
    size_t c;
    int kind, type, i, d, code;
    s.dnn.library = tg__cu_need(&s, NULL, "cuDNN", names, NULL);
    if (!s.dnn.library) { printf("SKIP %s\n", s.why); test_skipped++; return; }
    if (!CHECK_MSG(tg__cu_functions(&s, s.dnn.library, "cuDNN", tg__cu_dnn_names, &s.n), "%s", s.why) || !CHECK(tg__cu_symbol(s.dnn.library, "cudnnGetConvolutionNdForwardOutputDim", &size_of))) return;
    s.dnn_told = true;
    s.n.ask[0] = s.n.ask[1] = s.n.ask[2] = nobody;
    for (c = 0; c < sizeof cases / sizeof *cases; c++) for (kind = 0; kind < 3; kind++) for (type = 0; type < 4; type++) {
        const signed char *which = tg__conv_which[kind];
        static char somewhere[64];
        void *const base[3] = { somewhere + 64 - (size_t)somewhere % 16 - 48, somewhere + 64 - (size_t)somewhere % 16 - 48, somewhere + 64 - (size_t)somewhere % 16 - 48 };
        tg_request r;
        tg_operand o[4], packed;
        tg__cu_conv own;
        tg__cu_plan p;
        int sizes[5] = { 0, 0, 0, 0, 0 };
        memset(&r, 0, sizeof r); memset(o, 0, sizeof o); memset(&p, 0, sizeof p);
        r.family = TG_FAMILY_CONV; r.kind = kind; r.n = kind == TG_CONV_BY_WEIGHT ? 3 : 4; r.whole[9] = cases[c].groups;
        memcpy(r.whole, cases[c].how, sizeof cases[c].how);
        for (i = 0; i < 3; i++) {
            tg_operand *q = &o[which[i]];
            int64_t step = 1;
            q->use = which[i] ? TG_READ : TG_WRITE; q->dtype = types[type]; q->ndim = 5;
            for (d = 0; d < 5; d++) q->shape[d] = i == 0 ? cases[c].x[d] : i == 1 ? cases[c].f[d] : d == 0 ? cases[c].x[0] : d == 1 ? cases[c].f[0]
                : (cases[c].x[d] + 2 * r.whole[1 + d] - (cases[c].f[d] - 1) * r.whole[4 + d] - 1) / r.whole[d - 2] + 1;
            if (cases[c].channels) { q->stride[1] = 1; step = q->shape[1]; }
            for (d = 4; d >= 0; d--) if (d != 1 || !cases[c].channels) { q->stride[d] = step; step *= q->shape[d]; }
        }
        if (!CHECK(tg__cu_conv_of(&own, &r, o, base) && tg__cu_conv_key_of(&p.key.conv, &packed, &r, o, base, &own))) continue;
        p.is_conv = true;
        CHECK(tg__cu_conv_plan(&s, &p) && p.refused && p.operation && p.layout[0] && p.layout[1] && p.layout[2]);
        code = size_of(p.operation, p.layout[which[0]], p.layout[which[1]], p.key.conv.dims, sizes);
        CHECK_MSG(code == 0, "case %d, kind %d: %s", (int)c, kind, s.n.words(code));
        for (d = 0; d < p.key.conv.dims; d++) CHECK_INT(sizes[d], p.key.conv.size[which[2]][d]);
        CHECK(s.n.conv_free(p.operation) == 0);
        for (i = 0; i < 3; i++) CHECK((i == which[1] ? s.n.filter_free : s.n.tensor_free)(p.layout[i]) == 0);
    }
    code = s.n.create(&handle);
    printf("cuDNN: its descriptors are taken; a handle: code %d, %s\n", code, s.n.words(code));
    if (code == 0) CHECK(s.n.stream(handle, NULL) == 0 && s.n.destroy(handle) == 0);
}

int main(int argc, char **argv) {
    static const int archs[] = { 75, 80, 89, 90, 100, 120 };
    static const struct { tg__cu_key k; const char *what; } programs[] = {
        { { TG__CU_GROUP_COPY, 0, 0, 0, 0 }, "copies of bytes" }, { { TG__CU_GROUP_COPY, 0, 0, 32, 0x20 }, "casts" }, { { TG__CU_GROUP_COPY, 0, 0, 32, 0x0e }, "blocks written" }, { { TG__CU_GROUP_GEMM, 0, 0, 32, 0xf22 }, "products with blocks" }, { { TG__CU_GROUP_RANDOM, 0, 0, 32, 0 }, "random" }, { { TG__CU_GROUP_REDUCE, 0, 0, 32, 0 }, "sums" },
        { { TG__CU_GROUP_SOFTMAX, 0, 0, 32, 0x400 }, "softmax" }, { { TG__CU_GROUP_INDEX, 0, 0, 0, 0 }, "index" }, { { TG__CU_GROUP_GEMM, 0, 0, 32, 0 }, "products" },
        { { TG__CU_GROUP_MAP, TG_ROW_tg_gelu, 1, 32, 0 }, "gelu's derivative" }, { { TG__CU_GROUP_MAP, TG_ROW_tg_pow, 0, 64, 0x111 }, "pow of f64" },
        { { TG__CU_GROUP_OPTIM, TG_STEP_ADAM, 0, 32, 0 }, "Adam" },
        { { TG__CU_GROUP_SCAN, 0, 0, 64, 0x0040 }, "scans" }, { { TG__CU_GROUP_SORT, 0, 0, 0, 0 }, "sorts" },
        { { TG__CU_GROUP_NORM, 0, 0, 32, 0 }, "norms of rows" }, { { TG__CU_GROUP_POOL, 0, 0, 32, 0x40 }, "pools" }, { { TG__CU_GROUP_CONV, 0, 0, 32, 0 }, "convolutions" }, { { TG__CU_GROUP_ATTENTION, 0, 0, 32, 0 }, "attention" }, { { TG__CU_GROUP_RNN, 0, 0, 32, 0 }, "recurrent cells" }, { { TG__CU_GROUP_RESAMPLE, 0, 0, 32, 0 }, "pictures" }, { { TG__CU_GROUP_RESAMPLE, 0, 0, 0, 0 }, "pictures of bytes" }, { { TG__CU_GROUP_GRID, 0, 0, 32, 0 }, "grids" }, { { TG__CU_GROUP_BOXES, 0, 0, 32, 0 }, "boxes" },
        { { TG__CU_GROUP_ATTENTION_MATRIX, 0x44, 0, 32, 0x93333 }, "attention by matrix units, bf16" }, { { TG__CU_GROUP_ATTENTION_MATRIX, 0x88, 3, 32, 0x2029222222 }, "its derivative with dropout, f16" },
        { { 0, 0, 0, 0, 0 }, NULL },                                           /* the rest with `all` */
        { { TG__CU_GROUP_RESAMPLE, 0, 0, 64, 0x11 }, "pictures f64" }, { { TG__CU_GROUP_GRID, 0, 0, 64, 0 }, "grids f64" }, { { TG__CU_GROUP_BOXES, 0, 0, 64, 0 }, "boxes f64" },
        { { TG__CU_GROUP_SCAN, 0, 0, 0, 0x4444 }, "scans of integers" }, { { TG__CU_GROUP_SORT, 0, 0, 0, 0x333 }, "sorts bf16" }, { { TG__CU_GROUP_CONV, 0, 0, 64, 1 }, "convolutions f64" }, { { TG__CU_GROUP_CONV, 0, 0, 32, 3 }, "convolutions bf16" }, { { TG__CU_GROUP_ATTENTION, 0, 0, 64, 0x1111111111 }, "attention f64" }, { { TG__CU_GROUP_ATTENTION, 0, 0, 32, 0x3039333333 }, "attention bf16" },
        { { TG__CU_GROUP_NORM, 0, 0, 64, 0x1111111 }, "norms of rows f64" }, { { TG__CU_GROUP_NORM, 0, 0, 32, 0x3330333 }, "norms of rows bf16" }, { { TG__CU_GROUP_POOL, 0, 0, 64, 0x111 }, "pools f64" }, { { TG__CU_GROUP_POOL, 0, 0, 0, 0x444 }, "pools of integers" },
        { { TG__CU_GROUP_OPTIM, TG_STEP_NORM, 0, 32, 0x333333 }, "norms of gradients" }, { { TG__CU_GROUP_OPTIM, TG_STEP_SGD, 0, 64, 0x111111 }, "SGD f64" },
        { { TG__CU_GROUP_RANDOM, 0, 0, 64, 1 }, "random f64" }, { { TG__CU_GROUP_RANDOM, 0, 0, 0, 4 }, "random integers" }, { { TG__CU_GROUP_REDUCE, 1, 0, 64, 0x11 }, "products f64" }, { { TG__CU_GROUP_REDUCE, 2, 0, 0, 0x44 }, "largest of integers" },
        { { TG__CU_GROUP_REDUCE, 3, 0, 32, 0x33 }, "smallest bf16" }, { { TG__CU_GROUP_SOFTMAX, 0, 0, 64, 0x411 }, "softmax f64" }, { { TG__CU_GROUP_SOFTMAX, 0, 0, 32, 0x433 }, "softmax bf16" }, { { TG__CU_GROUP_INDEX, 0, 0, 0, 3 }, "index bf16" },
        { { TG__CU_GROUP_GEMM, 0, 0, 64, 0x111 }, "products f64" }, { { TG__CU_GROUP_GEMM, 0, 0, 0, 0x444 }, "products of integers" }, { { TG__CU_GROUP_GEMM, 0, 0, 32, 0x333 }, "products bf16" }, { { TG__CU_GROUP_COPY, 0, 0, 64, 0x10 }, "casts f64" },
        { { TG__CU_GROUP_ATTENTION_MATRIX, 0x51, 5, 32, 0x22222 }, "attention by matrix units, f16, mask, dropout" }, { { TG__CU_GROUP_ATTENTION_MATRIX, 0x44, 6, 32, 0x3030333333 }, "its derivative with a mask, bf16" }, { { TG__CU_GROUP_ATTENTION_MATRIX, 0x88, 2, 32, 0x3039333333 }, "its derivative, bf16" }
    };
    const bool all = argc > 1 && strcmp(argv[1], "all") == 0;
    const int n = (int)(sizeof programs / sizeof *programs);
    int known[128], count = 0, i, k, type, major = 0, minor = 0;
    char path[512];
    static const char *const names[] = { "libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2", "libnvrtc.so", NULL };
    real_blas(); real_dnn();
    s.compiler = tg__cu_need(&s, NULL, "NVRTC", names, path);
    if (!s.compiler) { printf("SKIP %s\n", s.why); test_skipped++; return test_end("cuda_nvrtc"); }
    if (!tg__cu_functions(&s, s.compiler, "NVRTC", tg__cu_compiler_names, &s.c)) { printf("FAIL %s\n", s.why); return 1; }
    tg__cu_load_builtins(&s, path);
    CHECK(s.c.version(&major, &minor) == 0 && s.c.archs_count(&count) == 0 && count <= 128 && s.c.archs(known) == 0);
    printf("NVRTC %d.%d\n", major, minor);
    for (i = 0; i < 6; i++) {
        bool knows = false;
        double sum = 0, longest = 0;
        int done = 0;
        for (k = 0; k < count; k++) knows |= known[k] == archs[i];
        if (!knows) { printf("SKIP it knows no compute capability %d\n", archs[i]); test_skipped++; continue; }
        for (k = 0; k < n && (all || programs[k].what); k++) {
            if (!programs[k].what || (programs[k].k.group == TG__CU_GROUP_ATTENTION_MATRIX && archs[i] < 80)) continue;
            compile(&programs[k].k, "", archs[i], true, programs[k].what); sum += spent; done++;
            if (spent > longest) longest = spent;
        }
        printf("compute capability %d: %d programs, %.0f ms each, the longest %.0f ms\n", archs[i], done, 1000 * sum / done, 1000 * longest);
    }
    for (type = 0; type <= 64; type += 32) {                             /* every row in one program; PTX, which is most of the work */
        tg__cu_key key = { TG__CU_GROUP_MAP, type ? TG_ROW_tg_neg : TG_ROW_tg_add, 0, type, 0 };
        size_t room = 1 << 20;
        char *more = (char *)malloc(room);
        tg__text t = tg__text_over(more, room);
        const tg__cu_formula *f;
        int rows = 1;
        key.dtypes = type == 64 ? 0x111111u : type ? 0u : 0x444444u;
        for (f = tg__cu_formulas; f->name; f++) for (i = 0; i <= (type ? f->operands : 0); i++) {
            tg__cu_key each = key;
            each.kind = f->row; each.part = i;
            if ((each.kind == key.kind && i == 0) || (type ? !f->part[i] : !tg__cu_whole_of(f->row))) continue;
            tg__cu_map_text(&t, &each); rows++;
        }
        CHECK(t.length < t.size);
        compile(&key, more, 80, false, type == 0 ? "rows for integers" : type == 32 ? "rows for f32" : "rows for f64");
        printf("%d formulas of type %d: %.1f s\n", rows, type, spent);
        free(more);
        if (!all && type == 32) break;
    }
    return test_end("cuda_nvrtc");
}
