#!/bin/sh
# tests/test_bits.c compiled by several compilers with several flags, and for aarch64 run by qemu: the strict results must hash to one value. Slow, so only
# under `sh tests/run.sh all` or when called by name. What is missing is skipped.
cd "$(dirname "$0")/.." || exit 2
passed=0; failed=0; skipped=0; first=; first_name=
dir=build/bits_builds
mkdir -p "$dir" || exit 2

. tests/objects.sh
native=-march=native
case $TG_TEST_ISA in '') ;; avx2) native=-march=haswell;; *) native=-march=x86-64;; esac
# one NAME RUNNER COMPILER FLAGS...: builds and compares `hash` and `hash plain`
one() {
    name=$1; runner=$2; shift 2
    set -- "$@" -DTENSORGRAD_SOFT_FMA                          # `hash plain` is strict without the instruction
    if ! have "$1"; then echo "skip: no $1 for: $name"; skipped=$((skipped + 1)); return; fi
    if [ -n "$runner" ] && ! have "$runner"; then echo "skip: no $runner for: $name"; skipped=$((skipped + 1)); return; fi
    out=$dir/$(echo "$name" | tr -c 'A-Za-z0-9\n' '_')
    if ! object "$(object_name "$@")" "$@" || ! build_test tests/test_bits.c "$(object_name "$@")" "$object" "$@"; then
        echo "FAIL bits_builds: $name does not compile"; cat "$object.txt" "$said" 2>/dev/null | head -n 5; failed=$((failed + 1)); return
    fi
    for which in best plain; do
        hash=$($runner "$program" hash $which 2>&1 | sed -n 's/^bits: hash //p')
        echo "$name, $which: $hash"
        if [ -z "$hash" ]; then echo "FAIL bits_builds: $name, $which gives no hash"; failed=$((failed + 1)); continue; fi
        [ -z "$first" ] && { first=$hash; first_name=$name; }
        if [ "$hash" = "$first" ]; then passed=$((passed + 1)); else
            failed=$((failed + 1))
            echo "FAIL bits_builds: $name, $which: hash $hash, but $first_name has $first"
            $runner "$program" hash $which list >"$out.$which.list" 2>&1              # which results differ
            [ -f "$dir/first.list" ] && diff "$dir/first.list" "$out.$which.list" | grep '^>' | head -n 5
        fi
        [ -f "$dir/first.list" ] || $runner "$program" hash $which list >"$dir/first.list" 2>&1
    done
}
rm -f "$dir/first.list"
one "gcc -O2" "" gcc -O2
one "gcc -O0" "" gcc -O0
one "gcc -Ofast" "" gcc -Ofast
one "clang -O2" "" clang -O2
one "gcc -std=c11 $native" "" gcc -O2 -std=c11 $native
one "aarch64 gcc -O2, qemu" qemu-aarch64 aarch64-linux-gnu-gcc -O2 -static
echo "bits_builds: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
