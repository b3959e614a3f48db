#!/bin/sh
# The part `wasm`: the header built by emcc (Debian's package emscripten) with its plain kernels, whole programs and core tests run by node; strict mode gives the bits that
# gcc's build gives.
cd "$(dirname "$0")/.." || exit 2
. tests/objects.sh
passed=0 failed=0 skipped=0
pass() { passed=$((passed + 1)); }
fail() { failed=$((failed + 1)); echo "FAIL $1"; }
have emcc && have node || { echo "skip: no emcc or no node"; echo "wasm: 0 passed, 0 failed, 1 skipped"; exit 0; }
out=build/wasm
mkdir -p $out
# emcc of Debian's age loads the program by fetch where there is one, and node's does not read files
run=node; node --no-experimental-fetch -e 0 >/dev/null 2>&1 && run="node --no-experimental-fetch"

# clang for wasm does not know float_control, and says so
object wasm emcc -O1 -Wno-ignored-pragmas || { fail "emcc does not compile the implementation"; grep -E error $object.txt | head -n 5; echo "wasm: $passed passed, $failed failed, 0 skipped"; exit 1; }
said=$(grep -E 'warning' $object.txt)
if [ -z "$said" ]; then pass; else fail "emcc warns: $(echo "$said" | head -n 1)"; fi
wasm=$object

# program NAME FILE...: builds it, with the real files of this machine
program() {
    name=$1; shift
    build_once $out/$name.js "$* tensorgrad.h tests/test.h $wasm" emcc -O1 -DTG__IMPLEMENTATION_DONE -I. -include string.h -sALLOW_MEMORY_GROWTH=1 -sNODERAWFS=1 -sEXIT_RUNTIME=1 "$@" $wasm && return 0
    fail "$name does not build"; grep error $out/$name.js.txt | head -n 5
    return 1
}
if program main tests/compile_main.c; then
    if [ "$($run $out/main.js 2>&1 | tail -n 1)" = "ok plain" ]; then pass; else fail "compile_main: $($run $out/main.js 2>&1 | tail -n 3)"; fi
fi
# the same bits as the native build's software FMA
if program bits tests/compile_bits.c; then
    here=$($run $out/bits.js 2>&1 | sed -n 's/^bits \([0-9a-f]*\) .*/\1/p')
    shared_object && build_test tests/compile_bits.c "" "$object" $CC $TG_CFLAGS -I. && there=$($program | sed -n 's/^bits \([0-9a-f]*\) .*/\1/p' | head -n 1)
    if [ -n "$here" ] && [ "$here" = "$there" ]; then pass; else fail "strict mode: wasm has the bits $here, $CC $there"; fi
fi
for name in tensor autograd formulas errors; do
    program $name tests/test_$name.c || continue
    $run $out/$name.js > $out/$name.txt 2>&1
    set -- $(sed -n 's/^[a-z]*: \([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped.*/\1 \2 \3/p' $out/$name.txt)
    passed=$((passed + ${1:-0})) failed=$((failed + ${2:-1})) skipped=$((skipped + ${3:-0}))
    [ "${2:-1}" -eq 0 ] || { echo "FAIL $name under wasm, see $out/$name.txt"; grep FAIL $out/$name.txt | head -n 5; tail -n 2 $out/$name.txt; }
done
echo "wasm: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
