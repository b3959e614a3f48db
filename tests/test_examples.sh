#!/bin/sh
# Builds the programs of examples/, runs each and looks at what it prints.
#   sh tests/test_examples.sh        all of them in C99 by gcc and clang, every warning an error, linked with the object that the tests share
#   TG_TEST_ALL=1                    all of them whole, by gcc and clang with -O2, and by the lines in their comments; digits without any -O too
# Times are printed as figures (user seconds), never judged. Settings: CC.

cd "$(dirname "$0")/.." || exit 2
. tests/objects.sh
work=build/examples
mkdir -p "$work" || exit 2
limit=; [ -n "$TG_TEST_ISA" ] && limit="-include tests/isa.h"
passed=0 failed=0 skipped=0

ok() { passed=$((passed + 1)); }
fail() { failed=$((failed + 1)); echo "FAIL $1"; }
skip() { skipped=$((skipped + 1)); echo "skip $1"; }

# prints LOG PATTERN TIMES: LOG has that many lines with PATTERN
prints() {
    n=$(grep -ac -e "$2" "$1")
    if [ "$n" -eq "$3" ]; then ok; else fail "$1: $n lines instead of $3 with: $2"; fi
}

# least LOG PATTERN NUMBER: what PATTERN (a sed expression with one group) finds in LOG is there and not below NUMBER
least() {
    v=$(tr '\r' '\n' <"$1" | sed -n "s/$2/\1/p" | tail -n 1)
    if [ -n "$v" ] && awk "BEGIN { exit !($v >= $3) }"; then ok; else fail "$1: '$v' for $2, at least $3 expected"; fi
}

# launch PROGRAM LOG ARGUMENTS...: runs it; it must succeed and say nothing on stderr
launch() {
    program=$1; log=$2; shift 2
    if ( "$program" "$@" >"$log" 2>"$log.err"; code=$?; times >"$log.time"; exit $code ) && [ ! -s "$log.err" ]; then
        ok; echo "$program${1:+ $*}: $(tail -n 1 "$log.time" | cut -d ' ' -f 1) user"
    else
        fail "$program${1:+ $*}: $(head -c 300 "$log.err")"
    fi
}

check_autograd() {
    launch "$1" "$1.txt"
    prints "$1.txt" 'dy/dw  *= 1\.5729$' 1
    prints "$1.txt" 'measured  *= 1\.5729$' 1
    prints "$1.txt" 'dz/dx  *= 13$' 1
    prints "$1.txt" 'cleared  *= 100$' 1
    prints "$1.txt" 'is the same$' 1
    prints "$1.txt" 'order [1234]  *= \(32\|48\|24\)$' 4
    prints "$1.txt" "^#[0-9]* \(tanh 'y'\|add 'sum'\|mul 'product'\|leaf '[wxb]'\) -> f64" 6
    prints "$1.txt" '^digraph tape {$' 1
    rm -f "$1.dot"
    launch "$1" "$1.txt" "$1.dot"
    prints "$1.txt" digraph 0
    prints "$1.dot" ' -> ' 5
    prints "$1.dot" 'value 0\.5.*grad 0\.786' 1
}

check_spiral() {
    launch "$1" "$1.txt"
    prints "$1.txt" '^step  *[0-9]*  loss ' 6
    prints "$1.txt" '^[ .:#ox]\{63\}$' 174
    least "$1.txt" '^accuracy \(.*\)%$' 99
    launch "$1" "$1.live.txt" live
    least "$1.live.txt" '^accuracy \(.*\)%$' 99
    prints "$1.live.txt" "$(printf '\033\[H')" 1024
}

check_digits() {
    launch "$1" "$1.txt"
    least "$1.txt" '^\([0-9.]*\)% of 5056 unseen digits.*' 98
    prints "$1.txt" '^calls of malloc after step 10: 0$' 1
    prints "$1.txt" 'drawn \([0-9]\), read \1 .*' 1
    launch "$1" "$1.short.txt" 100
    least "$1.short.txt" '^\([0-9.]*\)% of 5056 unseen digits.*' 70
    least "$1.short.txt" '^step 100\/100  loss.*  \([0-9]*\) digits\/s  0 s to go $' 1
    prints "$1.short.txt" 'drawn [0-9], read [0-9]' 2
}

# The line in the first comment of examples/$1.c, by another compiler and into the build folder: its arguments
line_of() { sed -n "s|^ *cc \(.*\)-o $1 && ./$1.*|\1|p" "examples/$1.c" | head -n 1; }

# compile PROGRAM COMPILER ARGUMENTS...; build NAME PROGRAM COMPILER ARGUMENTS... runs it too
compile() {
    program=$1; shift
    if "$@" -o "$program" 2>"$program.err" && [ ! -s "$program.err" ]; then ok; return 0; fi
    fail "$*: $(head -n 5 "$program.err")"
    return 1
}
build() { name=$1; shift; compile "$@" && "check_$name" "$1"; }

for name in autograd spiral digits; do
    if [ -n "$(line_of $name)" ]; then ok; else fail "examples/$name.c: its comment has no line 'cc ... -o $name && ./$name'"; fi
done

# In C99 with every warning, over one implementation, which has a test of its own (compile.sh).
if shared_object; then
    for name in autograd spiral digits; do
        sed -e '/^#define TENSORGRAD_IMPLEMENTATION$/d' -e 's|"../tensorgrad.h"|"../../tensorgrad.h"|' "examples/$name.c" >"$work/$name.c"
        for compiler in gcc clang; do
            if command -v $compiler >/dev/null 2>&1; then
                set -- "$work/$name.$compiler" $compiler -std=c99 -O1 -Wall -Wextra -Wpedantic -Werror $limit "$work/$name.c" "$object"
                if [ $name$compiler = digitsclang ]; then compile "$@"; else build $name "$@"; fi          # its seconds are the kernels', which are the same
            else skip "$name: no $compiler"; fi
        done
    done
else fail "$object does not compile"; fi

if [ -n "$TG_TEST_ALL" ]; then
    build digits "$work/digits" $CC examples/digits.c          # bare, as a beginner types it
    for name in autograd spiral digits; do
        for compiler in gcc clang; do         # clang has no kernels worth the name without -O2, and the header says so on stderr
            if command -v $compiler >/dev/null 2>&1; then build $name "$work/$name.$compiler.O2" $compiler -O2 -Wall -Wextra -Wpedantic "examples/$name.c"
            else skip "$name: no $compiler"; fi
        done
        [ $name = digits ] || build $name "$work/$name.line" $CC $(line_of $name)
    done
fi

echo "examples: $passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
