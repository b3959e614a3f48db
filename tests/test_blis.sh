#!/bin/sh
# TENSORGRAD_BLIS: products through BLIS and through OpenBLAS, whichever is installed (Debian's libblis-dev, libopenblas-dev). compile_blis.c tests which products go there and what comes
# back; test_products.c and golden.c run with even the smallest products handed on. Settings: CC, TG_CFLAGS.
cd "$(dirname "$0")/.." || exit 2
. tests/objects.sh
passed=0 failed=0 skipped=0
pass() { passed=$((passed + 1)); }
fail() { failed=$((failed + 1)); echo "FAIL $1"; }
unset TG_TEST_ISA                                                # a build for this machine alone
out=build/blis
mkdir -p $out
found=
for library in blis openblas; do
    printf 'void cblas_sgemm(void); int main(void) { cblas_sgemm(); return 0; }\n' > $out/has.c
    if $CC $out/has.c -o $out/has -l$library >/dev/null 2>&1; then found="$found $library"; else skipped=$((skipped + 1)); echo "skip: no lib$library"; fi
done
[ -n "$found" ] || { echo "blis: 0 passed, 0 failed, $skipped skipped"; exit 0; }

export OPENBLAS_NUM_THREADS=1 BLIS_NUM_THREADS=1 OMP_NUM_THREADS=1
machine="-march=native -DTENSORGRAD_NATIVE -DTENSORGRAD_SOFT_FMA -DTENSORGRAD_BLIS"
all=-DTG__GEMM_LIBRARY_LEAST=0
# run NAME PROGRAM ARGUMENTS...: its last line counts
run() {
    name=$1; shift
    "$@" > $out/$name.txt 2>&1 </dev/null
    set -- $? $(sed -n 's/^[a-z: ]*\([0-9][0-9]*\) passed, \([0-9]*\) failed.*/\1 \2/p' $out/$name.txt | tail -n 1)
    passed=$((passed + ${2:-0})) failed=$((failed + ${3:-0}))
    if [ "$1" -ne 0 ] || [ -z "$2" ]; then
        [ "${3:-0}" -gt 0 ] || failed=$((failed + 1))
        echo "FAIL $name (exit code $1), see $out/$name.txt"; grep FAIL $out/$name.txt | head -n 8; tail -n 2 $out/$name.txt
    fi
}
# build NAME COMMAND...
build() {
    name=$1; shift
    build_once $out/$name "tests/compile_blis.c tests/test_products.c tests/golden.c tests/test.h tests/small_json.h tensorgrad.h" "$@" && return 0
    fail "$name does not build"; grep -E 'error|undefined' $out/$name.txt | head -n 5
    return 1
}
object blis $CC -O1 $machine $all || { fail "the implementation does not compile"; grep error $object.txt | head -n 5; echo "blis: $passed passed, $failed failed, $skipped skipped"; exit 1; }
build golden.o $CC -O1 $machine $all -c tests/golden.c
shared="-DTG__IMPLEMENTATION_DONE -I. $object -lpthread -lm"
for library in $found; do
    build small_$library $CC -O1 tests/compile_blis.c $shared -Wl,--wrap=cblas_sgemm -Wl,--wrap=cblas_dgemm -l$library && run small_$library $out/small_$library 0
    build products_$library $CC -O1 tests/test_products.c $shared -l$library && run products_$library $out/products_$library
    build golden_$library $CC $out/golden.o -lpthread -lm -l$library && run golden_$library $out/golden_$library
done
echo "blis: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
