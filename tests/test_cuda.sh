#!/bin/sh
# tensorgrad_cuda.h without a GPU: its text is up to date; all operations, memory, errors and failing calls on a driver and a compiler of the test's own (cuda_fake.c, cuda_device.c);
# goldens through the emulated device; barriers that kernels lack; the kernels compiled by the real NVRTC and by nvcc where they are there; compilers' warnings; no data that is not constant.
#   sh tests/test_cuda.sh                what everybody runs
#   sh tests/test_cuda.sh libraries      only builds the libraries, build/cuda/libcuda.so.1, libnvrtc.so.12, libcublasLt.so.13 and libcudnn.so.9
#   sh tests/test_cuda.sh sanitize       the tests on the emulated device under the address and undefined behaviour sanitizers
#   sh tests/test_cuda.sh nvrtc          more programs for NVRTC, the headers and descriptors of cuBLASLt and cuDNN
cd "$(dirname "$0")/.." || exit 2
. tests/objects.sh
build=build/cuda
mkdir -p $build/watched $build/only_driver $build/too_old $build/loader $build/no_blas $build/old_dnn || exit 2
passed=0 failed=0 skipped=0
ok() { passed=$((passed + 1)); }
bad() { failed=$((failed + 1)); echo "FAIL $*"; }
skip() { skipped=$((skipped + 1)); echo "SKIP $*"; }
# the last line of a program, NAME: N passed, N failed, N skipped
add() { set -- $(sed -n 's/^[a-z_-]*: \([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped.*/\1 \2 \3/p' "$1" | tail -n 1); [ $# = 3 ] || { bad "a program ended without its closing line"; return; }; passed=$((passed + $1)); failed=$((failed + $2)); skipped=$((skipped + $3)); }
program() { name=$1; shift; "$@" > "$build/$name.txt" 2>&1; code=$?; grep -E '^(FAIL|SKIP|compute|NVRTC|cuBLASLt|cuDNN|[0-9]+ |the driver)|ERROR|runtime error' "$build/$name.txt" | head -n 30 | cut -c1-500; add "$build/$name.txt"; [ $code = 0 ] || [ $failed -gt 0 ] || bad "$name: exit code $code"; }
quietly="-Wall -Wextra -Wno-unused-function -Wno-unused-const-variable -Wno-unused-parameter"

libraries() {
    build_once $build/cuda_text tools/cuda_text.c $CC -O1 -Wall -Wextra tools/cuda_text.c || { bad "tools/cuda_text.c"; cat $build/cuda_text.txt; return 1; }
    $build/cuda_text --words tensorgrad.h tensorgrad_cuda.h > $build/words.new && { cmp -s $build/words.new $build/cuda_words.inc || mv $build/words.new $build/cuda_words.inc; } || return 1
    $build/cuda_text --kernels tensorgrad.h tensorgrad_cuda.h > $build/kernels.new && { cmp -s $build/kernels.new $build/cuda_kernels.inc || mv $build/kernels.new $build/cuda_kernels.inc; } || return 1
    needs="tests/cuda_fake.c tests/cuda_fake.h $build/cuda_words.inc $build/cuda_kernels.inc tensorgrad.h"
    build_once $build/libcuda.so.1 "$needs" $CC -g -O1 -ffp-contract=off -fPIC -shared $quietly -DFAKE_DRIVER -I$build -Itests tests/cuda_fake.c -lm || { bad "the emulated driver does not compile"; grep -E 'error|warning' $build/libcuda.so.1.txt | head; return 1; }
    [ -s $build/libcuda.so.1.txt ] && { bad "the kernels, read by $CC"; head -n 12 $build/libcuda.so.1.txt; }
    build_once $build/libnvrtc.so.12 "tests/cuda_fake.c tests/cuda_fake.h" $CC -g -O1 -fPIC -shared -Wall -Wextra -DFAKE_COMPILER -Itests tests/cuda_fake.c || { bad "the compiler of the test's own does not compile"; return 1; }
    build_once $build/libcublasLt.so.13 "tests/cuda_fake.c tests/cuda_fake.h" $CC -g -O1 -ffp-contract=off -fPIC -shared -Wall -Wextra -DFAKE_BLAS -Itests tests/cuda_fake.c || { bad "the cuBLASLt of the test's own does not compile"; return 1; }
    build_once $build/libcudnn.so.9 "tests/cuda_fake.c tests/cuda_fake.h" $CC -g -O1 -ffp-contract=off -fPIC -shared -Wall -Wextra -DFAKE_DNN -Itests tests/cuda_fake.c || { bad "the cuDNN of the test's own does not compile"; return 1; }
    ln -sf ../libcudnn.so.9 $build/loader/libcudnn.so.9; ln -sf ../libcuda.so.1 $build/old_dnn/libcuda.so.1; ln -sf ../libnvrtc.so.12 $build/old_dnn/libnvrtc.so.12; ln -sf ../libcublasLt.so.13 $build/old_dnn/libcudnn.so.8
    ln -sf ../libcublasLt.so.13 $build/loader/libcublasLt.so.13; ln -sf ../libcuda.so.1 $build/no_blas/libcuda.so.1; ln -sf ../libnvrtc.so.12 $build/no_blas/libnvrtc.so.12
    ln -sf ../libcuda.so.1 $build/only_driver/libcuda.so.1; ln -sf ../libnvrtc.so.12 $build/too_old/libcuda.so.1
    ln -sf ../libcuda.so.1 $build/loader/libcuda.so.1; ln -sf ../libnvrtc.so.12 $build/loader/libnvrtc.so.13        # where the loader is told to look
}
device() {      # NAME FLAGS...
    name=$1; shift
    build_once $build/$name "tests/cuda_device.c tests/cuda_fake.h tests/device_ops.h tests/op_list.h tests/test.h tensorgrad.h tensorgrad_cuda.h" $CC -g -O1 -DTENSORGRAD_TEACH -DTENSORGRAD_SOFT_FMA -Wall -Wextra -I. "$@" tests/cuda_device.c -lm -lpthread $libdl \
        || { bad "$name does not compile"; grep -E 'error' $build/$name.txt | head; return 1; }
    program $name.out $build/$name $build
}
# The emulated device once more, which looks for barriers that are missing (cuda_fake.c): compiled as for the thread sanitizer, whose functions are the test's own.
watched() {
    needs="tests/cuda_fake.c tests/cuda_fake.h $build/cuda_words.inc $build/cuda_kernels.inc tensorgrad.h"
    build_once $build/watched/fake.o "$needs" $CC -g -O1 -ffp-contract=off -fPIC -fsanitize=thread $quietly -DFAKE_DRIVER -DFAKE_WATCH -I$build -Itests -c tests/cuda_fake.c &&
        build_once $build/watched/libcuda.so.1 $build/watched/fake.o $CC -shared $build/watched/fake.o -lm || { bad "the watched driver does not compile"; grep -E 'error' $build/watched/*.txt | head; return 1; }
    for l in libcublasLt.so.13 libcudnn.so.9; do ln -sf ../$l $build/watched/$l; done; ln -sf ../libnvrtc.so.12 $build/watched/libnvrtc.so.13
    program watched.out env LD_LIBRARY_PATH=$build/watched $build/device watch
    grep -q '^FAIL a race' $build/watched.out.txt && bad "threads of a block touch the same without a barrier between" || ok
}
registers() { awk '/Compiling entry/ { name = $0; sub(/^[^\047]*\047/, "", name); sub(/\047.*/, "", name) } /bytes stack frame/ { frame = $0 } /Used/ { match($0, /Used [0-9]* registers/); print name ": " substr($0, RSTART, RLENGTH) "," frame }' $build/nvcc.txt > $build/registers.txt; }
finish() { echo "cuda: $passed passed, $failed failed, $skipped skipped"; [ $failed = 0 ]; exit $?; }

case $(uname -s) in Linux) libdl=-ldl;; *) skip "not Linux: there is no emulated driver"; finish;; esac
printf 'int main(void) { return 0; }\n' > $build/one.c
printf '#define TENSORGRAD_IMPLEMENTATION\n#include "tensorgrad.h"\n#include "tensorgrad_cuda.h"\n' > $build/all.c
libraries || finish
[ "$1" = libraries ] && finish
if [ "$1" = sanitize ]; then device device_sanitized -fsanitize=address,undefined -fno-omit-frame-pointer; finish; fi
if [ "$1" != nvrtc ]; then
    $build/cuda_text --check tensorgrad.h tensorgrad_cuda.h && ok || bad "the text in tensorgrad_cuda.h is out of date: tools/cuda_text.c writes it"
    device device
    # what tools/gpu_check.sh runs on a card, on the emulated one
    [ -x $build/device ] && program card.out env LD_LIBRARY_PATH=$build/loader $build/device card
    # and its rows of the benchmark list, whole networks among them: each is compared with the CPU's
    build_once $build/gpu_bench "tools/gpu_bench.c tools/rows.h examples/models/gpt2.h examples/models/decode.h examples/models/resnet.h examples/models/mlp.h tensorgrad.h tensorgrad_cuda.h" $CC -g -O1 -DTENSORGRAD_TEACH -Wall -Wextra tools/gpu_bench.c -lm -lpthread $libdl &&
        [ ! -s $build/gpu_bench.txt ] && env LD_LIBRARY_PATH=$build/loader $build/gpu_bench --small --budget 0 > $build/gpu_bench.out 2>&1 && ok || { bad "tools/gpu_bench.c"; head -n 3 $build/gpu_bench.txt; grep '"error"' $build/gpu_bench.out | cut -c1-300; }
    [ -x $build/device ] && watched
    # warnings, in both languages
    for c in "gcc -std=c99" "g++ -std=c++11 -x c++" "clang -std=c99"; do
        have ${c%% *} || { skip "no ${c%% *}"; continue; }
        $c -fsyntax-only -I. -DTENSORGRAD_TEACH -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion $build/all.c > $build/warnings.txt 2>&1 && [ ! -s $build/warnings.txt ] && ok || { bad "$c warns"; head -n 12 $build/warnings.txt; }
    done
    # no globals: what is left with position-dependent code is constant
    $CC -O1 -fno-pic -DTENSORGRAD_TEACH -I. -c $build/all.c -o $build/all.o 2> $build/all.txt && set -- $(size $build/all.o | tail -n 1) && [ "$2" = 0 ] && [ "$3" = 0 ] && ok || bad "tensorgrad.h with tensorgrad_cuda.h has $2 bytes of data, $3 of bss"
    # it serves without its options' file and line
    printf '#define TENSORGRAD_NO_LINES\n' | cat - $build/all.c > $build/lines.c
    $CC -fsyntax-only -I. -DTENSORGRAD_TEACH -Wall -Wextra $build/lines.c > $build/lines.txt 2>&1 && [ ! -s $build/lines.txt ] && ok || { bad "with TENSORGRAD_NO_LINES"; head -n 5 $build/lines.txt; }
    # the example, without a GPU and on the emulated one, which the loader finds
    sed 's/POINTS = 3072/POINTS = 96/; s/HIDDEN = 512/HIDDEN = 16/; s|"../tensor|"../../tensor|' examples/cuda.c > $build/example.c
    if build_once $build/example "$build/example.c tensorgrad.h tensorgrad_cuda.h" $CC -std=c99 -O1 -DTENSORGRAD_TEACH -Wall -Wextra -Wpedantic $build/example.c -lpthread $libdl && [ ! -s $build/example.txt ]; then
        $build/example short > $build/example.out 2> /dev/null && grep -q '^CPU .*right' $build/example.out && ok || bad "examples/cuda.c without a GPU: $(head -n 3 $build/example.out)"
        LD_LIBRARY_PATH=$build/loader $build/example short > $build/example.out 2> /dev/null && grep -q '^emulated .*right' $build/example.out && ok || bad "examples/cuda.c on the emulated GPU: $(head -n 3 $build/example.out)"
        awk '{ sub(/^.*loss/, "loss"); sub(/;[^;]*$/, "") } NR == 1 { a = $0 } NR == 2 && a != $0 { exit 1 }' $build/example.out && ok || { bad "the example learns otherwise there:"; cat $build/example.out; }
    else bad "examples/cuda.c"; head -n 5 $build/example.txt; fi
    # the goldens: sh tests/run.sh golden --device emulated
    if [ -d ../shared/golden ]; then
        build_once $build/golden "tests/golden.c tests/small_json.h tensorgrad.h tensorgrad_cuda.h" $CC -g -O0 -DTENSORGRAD_TEACH -I. tests/golden.c -lm -lpthread $libdl && program golden.out $build/golden --device emulated --strict ../shared/golden || bad "goldens on the emulated device"
        # products by cuBLASLt, convolutions by cuDNN and attention by matrix units, for which nobody is strict
        [ -x $build/golden ] && for only in matmul linear bmm addmm einsum rnn conv attention; do program golden_$only.out $build/golden --device emulated --only $only ../shared/golden; done
    else skip "no ../shared/golden"; fi
fi
# what is declared of cuBLASLt and cuDNN by hand, beside NVIDIA's headers
for pair in "blas cublasLt.h cublas" "dnn cudnn.h cudnn"; do
    set -- "$1" $pair
    found=
    for f in "$CUDA_HOME" "$CUDA_PATH" /usr/local/cuda /opt/cuda /usr "$VIRTUAL_ENV"/lib/python3.*/site-packages/nvidia/$4 "$VIRTUAL_ENV"/lib/python3.*/site-packages/nvidia/cu13; do [ -z "$found" ] && [ -n "$f" ] && [ -f "$f/include/$3" ] && found=$f/include; done
    if [ -n "$found" ]; then $CC -std=c99 -fsyntax-only -I. -isystem "$found" -DTENSORGRAD_TEACH -Wall -Wextra -Werror tests/cuda_$2.c > $build/$2.txt 2>&1 && ok || { bad "tests/cuda_$2.c with $found"; head -n 8 $build/$2.txt; }
    else skip "no $3"; fi
done
# the real compilers
build_once $build/nvrtc "tests/cuda_nvrtc.c tests/test.h tensorgrad.h tensorgrad_cuda.h" $CC -g -O0 -DTENSORGRAD_TEACH -I. -Wall -Wextra tests/cuda_nvrtc.c -lm -lpthread $libdl && program nvrtc.out $build/nvrtc $([ "$1" = nvrtc ] && echo all || echo quick) || bad "tests/cuda_nvrtc.c does not compile"
nvcc=$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)
if [ -x "$nvcc" ]; then
    for group in GEMM CONV ATTENTION; do
        printf '#include "cuda_words.inc"\n#define TG__CU_ONLY\n#define TG__CU_ONLY_%s\n#define TG__CU_DTYPES 0\n#define TG__CU_TYPE 32\n#include "cuda_kernels.inc"\nTG__CU_VALUE1(tg__cu_exp, EXP(x))\n' $group > $build/words.cu
        "$nvcc" -arch=sm_80 --fmad=false -Xptxas -v -I$build -cubin $build/words.cu -o $build/words.cubin > $build/nvcc.txt 2>&1 && ! grep -E 'warning|error' $build/nvcc.txt && ok || { bad "nvcc, $group"; head -n 12 $build/nvcc.txt; }
        # no spilled registers in tiles of products and in attention
        registers
        grep -E '_tiles_|gemm|attend_' $build/registers.txt | grep -v ' 0 bytes spill stores, 0 bytes spill loads' && bad "registers are spilled" || ok
        grep -E '_tiles_|attend_' $build/registers.txt
    done
    # matrix units: heads of 64 and 128 columns, bf16, forward (0) and back (2); of masks and dropout the registers are not asked
    for arch in 80 90 $([ "$1" = nvrtc ] && echo 100 120); do for kind in 68 136; do for part in 0 2; do
        printf '#include "cuda_words.inc"\n#define TG__CU_ONLY\n#define TG__CU_ONLY_ATTENTION_MATRIX\n#define TG__CU_DTYPES 0x3039333333\n#define TG__CU_KIND %s\n#define TG__CU_PART %s\n#define TG__CU_TYPE 32\n#include "cuda_kernels.inc"\n' $kind $part > $build/words.cu
        "$nvcc" -arch=sm_$arch --fmad=false -Xptxas -v -I$build -cubin $build/words.cu -o $build/words.cubin > $build/nvcc.txt 2>&1 && ! grep -E 'warning|error' $build/nvcc.txt && ok || { bad "nvcc, attention by matrix units for $arch"; head -n 12 $build/nvcc.txt; }
        registers
        grep attend_matrix $build/registers.txt | grep -v ' 0 bytes spill stores, 0 bytes spill loads' && bad "registers are spilled, for $arch" || ok
        grep attend_matrix $build/registers.txt | sed "s/^/$arch, $kind: /"
    done; done; done
else skip "no nvcc"; fi
finish
