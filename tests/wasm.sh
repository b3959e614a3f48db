#!/bin/sh
# The part `wasm`: the header built by emcc (Debian's package emscripten) with its plain kernels, with those of SIMD128 besides (-msimd128), and with these alone; whole programs and
# core tests run by node. Strict mode gives the bits that gcc's build gives, and outside of it SIMD128 those of plain C. Sizes and a few times are printed for information.
cd "$(dirname "$0")/.." || exit 2
. tests/objects.sh
passed=0 failed=0 skipped=0
pass() { passed=$((passed + 1)); }
fail() { failed=$((failed + 1)); echo "FAIL $1"; }
have emcc && have node || { echo "skip: no emcc or no node"; echo "wasm: 0 passed, 0 failed, 1 skipped"; exit 0; }
mkdir -p build/wasm
# emcc of Debian's age loads the program by fetch where there is one, and node's does not read files
run=node; node --no-experimental-fetch -e 0 >/dev/null 2>&1 && run="node --no-experimental-fetch"

# program NAME FILE...: builds it, with the real files of this machine, into build/wasm/FLAVOUR
program() {
    name=$1; shift
    build_once $out/$name.js "$* tensorgrad.h tests/test.h $wasm" emcc -O1 -DTG__IMPLEMENTATION_DONE -I. -include string.h -sALLOW_MEMORY_GROWTH=1 -sNODERAWFS=1 -sEXIT_RUNTIME=1 "$@" $wasm && return 0
    fail "$flavour: $name does not build"; grep error $out/$name.js.txt | head -n 5
    return 1
}
# a whole program, its size, and what it takes
first_program() {
    program main tests/compile_main.c || return
    said=$($run $out/main.js 2>&1)
    if [ "$(echo "$said" | tail -n 1)" = "ok $1" ]; then pass; else fail "$flavour: compile_main: $(echo "$said" | tail -n 3)"; fi
    # the .wasm keeps the name that it was linked under
    echo "note: $flavour: compile_main is $(cat $out/main*.wasm | wc -c) bytes"
    if program speed tests/wasm_speed.c; then echo "note: $flavour: $($run $out/speed.js 2>&1)"; fi
}
# the same bits as the native build's software FMA
strict_bits() {
    program bits tests/compile_bits.c || return
    here=$($run $out/bits.js 2>&1 | sed -n 's/^bits \([0-9a-f]*\) .*/\1/p' | sort -u)
    shared_object && build_test tests/compile_bits.c "" "$object" $CC $TG_CFLAGS -I. && there=$($program | sed -n 's/^bits \([0-9a-f]*\) .*/\1/p' | head -n 1)
    if [ -n "$here" ] && [ "$here" = "$there" ]; then pass; else fail "$flavour: strict mode: wasm has the bits $here, $CC $there"; fi
}
loose_bits() {
    said=$($run $out/bits.js loose 2>&1)
    if [ "$(echo "$said" | grep -c '^bits .* \(plain\|simd128\)$')" = 2 ] && [ "$(echo "$said" | sed -n 's/^bits \([0-9a-f]*\) .*/\1/p' | sort -u | wc -l)" -eq 1 ]; then pass
    else fail "simd128 and plain C have other bits: $said"; fi
}
tests() {
    for name; do
        program $name tests/test_$name.c || continue
        $run $out/$name.js > $out/$name.txt 2>&1
        set -- $(sed -n 's/^[a-z]*: \([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped.*/\1 \2 \3/p' $out/$name.txt)
        passed=$((passed + ${1:-0})) failed=$((failed + ${2:-1})) skipped=$((skipped + ${3:-0}))
        [ "${2:-1}" -eq 0 ] || { echo "FAIL $name under wasm ($flavour), see $out/$name.txt"; grep FAIL $out/$name.txt | head -n 5; tail -n 2 $out/$name.txt; }
    done
}
# flavour NAME FLAGS...: the implementation as $wasm; what it builds stands in a folder of its own. clang for wasm does not know float_control, and says so
flavour() {
    flavour=$1; shift
    out=build/wasm/$flavour
    mkdir -p $out
    object wasm_$flavour emcc -O1 -Wno-ignored-pragmas "$@" || { fail "emcc $* does not compile the implementation"; grep -E error $object.txt | head -n 5; return 1; }
    said=$(grep -E 'warning' $object.txt)
    if [ -z "$said" ]; then pass; else fail "emcc $* warns: $(echo "$said" | head -n 1)"; fi
    wasm=$object
}
core="tensor autograd formulas errors products"
if flavour plain; then
    first_program plain
    strict_bits
    tests $core
fi
if flavour simd128 -msimd128; then
    first_program simd128
    strict_bits
    loose_bits
    tests $core maths
fi
if flavour simd128_alone -msimd128 -DTENSORGRAD_NATIVE; then
    first_program simd128
    tests products
fi
echo "wasm: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
