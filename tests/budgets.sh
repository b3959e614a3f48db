#!/bin/sh
# The part `budgets`: the figures of section 11 of the design, printed beside their budgets. Figures only: nothing here fails because something was slow or large.
cd "$(dirname "$0")/.." || exit 2
. tests/objects.sh
out=build/budgets
mkdir -p $out
failed=0 passed=0 skipped=0
line() { printf '  %-58s %-24s %s\n' "$1" "$2" "$3"; passed=$((passed + 1)); }
skip() { skipped=$((skipped + 1)); echo "skip: $1"; }
fail() { failed=$((failed + 1)); echo "FAIL $1"; }
kilobytes() { awk -v b="$(wc -c < "$1")" 'BEGIN { printf "%.0f KB", b / 1024 }'; }

c=gcc; have gcc || c=cc
object "$(object_name $c -O2)" $c -O2
if ! $c -O2 -DTG__IMPLEMENTATION_DONE -I. tests/budgets.c $object -o $out/measure 2>$out/log.txt; then
    head -n 5 $object.txt $out/log.txt; echo "budgets: 0 passed, 1 failed, 0 skipped"; exit 1
fi
echo "  machine: $(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo 2>/dev/null | head -n 1), $(getconf _NPROCESSORS_ONLN 2>/dev/null) cores, $($c --version 2>/dev/null | head -n 1)"
# timed LABEL BUDGET COMMAND...
timed() {
    label=$1 budget=$2; shift 2
    have "$1" || { skip "$label: no $1"; return; }
    got=$($out/measure time "$@" 2>/dev/null | tail -n 1)
    if [ -n "$got" ]; then line "$label" "$(echo "$got" | awk '{ printf "%s s, %s MB", $1, $2 }')" "budget $budget"; else fail "$label: $* does not run"; fi
}
timed "compile: $c -O2, all passes, core" "10 s; everything 25 s, 800 MB" $c -O2 -I. -c tests/compile_impl.c -o $out/impl.o
grep -q TENSORGRAD_NATIVE tensorgrad.h && timed "compile: $c -O2 -march=native, one pass" "5 s; everything 12 s" $c -O2 -march=native -DTENSORGRAD_NATIVE -I. -c tests/compile_impl.c -o $out/native.o
timed "compile: tcc, plain pass" "1 s" tcc -I. -c tests/compile_impl.c -o $out/tcc.o
printf '#include "tensorgrad.h"\nint x;\n' > $out/declarations.c
printf '#include <stddef.h>\n#include <stdint.h>\n#include <stdbool.h>\nint x;\n' > $out/nothing.c
best_of() { for i in 1 2 3 4 5 6 7; do $out/measure time "$@"; done 2>/dev/null | sort -n | head -n 1 | cut -d' ' -f1; }
line "compile: declarations alone" "$(awk -v a="$(best_of $c -O0 -I. -c $out/declarations.c -o $out/x.o)" -v b="$(best_of $c -O0 -I. -c $out/nothing.c -o $out/x.o)" 'BEGIN { printf "%.0f ms", (a - b) * 1000 }')" "budget 30 ms"
size_of() {
    label=$1 budget=$2; shift 2
    if $c "$@" -I. tests/budgets_mlp.c -o $out/mlp 2>/dev/null && strip $out/mlp 2>/dev/null && $out/mlp | grep -q '^ok'; then line "$label" "$(kilobytes $out/mlp)" "budget $budget"; else fail "$label does not build or run"; fi
}
size_of "size: a program that trains, all passes, stripped" "2 MB" -O2 -DTG__IMPLEMENTATION_DONE $object
if grep -q TENSORGRAD_NATIVE tensorgrad.h; then one="-march=native -DTENSORGRAD_NATIVE"; else one=-DTENSORGRAD_TEACH; fi
size_of "size: one pass, TENSORGRAD_STATIC" "150 KB" -O2 $one -DTENSORGRAD_STATIC -ffunction-sections -fdata-sections -Wl,--gc-sections
if have size; then
    line "size: .data + .bss of the implementation" "$(objdump -h $out/impl.o 2>/dev/null | awk '$2 ~ /^\.(data|bss|tdata|tbss)/ && $2 !~ /rel\.ro/ { n = $3; v = 0; while (length(n)) { v = v * 16 + index("0123456789abcdef", substr(n, 1, 1)) - 1; n = substr(n, 2) } s += v } END { printf "%d bytes", s }')" "budget 0"
fi
if $out/measure > $out/run.txt 2>&1; then cat $out/run.txt; passed=$((passed + 4)); else fail "the measurement crashed"; tail -n 3 $out/run.txt; fi
if [ -f build/compile/fiber_0.txt ]; then line "stack of the worst call path" "$(sed -n 's/^stack: //p' build/compile/fiber_0.txt)" "budget 16384 bytes"; else skip "stack: run the part compile first"; fi
line "lines of the header" "$(wc -l < tensorgrad.h)" "budget 43000"
echo "budgets: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
