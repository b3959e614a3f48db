#!/bin/sh
# Builds the programs of examples/, runs each and looks at what it prints.
#   sh tests/test_examples.sh        all of them in C99 by gcc and clang, every warning an error, linked with the object that the tests share
#                                    the course of numbered ones is compiled by both, and run in short: a minute of processor time for all
#   TG_TEST_ALL=1                    all of them whole, by gcc and clang with -O2, and by the lines in their comments; digits without any -O too;
#                                    the course by the lines in its comments, and in full
#   sh tests/test_examples.sh 03_gpt 13_dqn        these of the course alone
# Times are printed as figures (user seconds), never judged. Settings: CC.

cd "$(dirname "$0")/.." || exit 2
. tests/objects.sh
work=build/examples
mkdir -p "$work" || exit 2
limit=; [ -n "$TG_TEST_ISA" ] && limit="-include tests/isa.h"
passed=0 failed=0 skipped=0
here=$PWD at=.                 # programs of the course run in $work, where they leave their pictures

ok() { passed=$((passed + 1)); }
fail() { failed=$((failed + 1)); echo "FAIL $1"; }
skip() { skipped=$((skipped + 1)); echo "skip $1"; }

# prints LOG PATTERN TIMES: LOG has that many lines with PATTERN
prints() {
    n=$(grep -ac -e "$2" "$1")
    if [ "$n" -eq "$3" ]; then ok; else fail "$1: $n lines instead of $3 with: $2"; fi
}

# least LOG PATTERN NUMBER: what PATTERN (a sed expression with one group) finds in LOG is there and not below NUMBER; most: not above it
found_in() { tr '\r' '\n' <"$1" | sed -n "s/$2/\1/p" | tail -n 1; }
least() {
    v=$(found_in "$1" "$2")
    if [ -n "$v" ] && awk "BEGIN { exit !($v >= $3) }"; then ok; else fail "$1: '$v' for $2, at least $3 expected"; fi
}
most() {
    v=$(found_in "$1" "$2")
    if [ -n "$v" ] && awk "BEGIN { exit !($v <= $3) }"; then ok; else fail "$1: '$v' for $2, at most $3 expected"; fi
}

# launch PROGRAM LOG ARGUMENTS...: runs it; it must succeed and say nothing on stderr
launch() {
    program=$1; log=$2; shift 2
    if ( cd "$at" && "$here/$program" "$@" >"$here/$log" 2>"$here/$log.err"; code=$?; times >"$here/$log.time"; exit $code ) && [ ! -s "$log.err" ]; then
        ok; echo "$program${1:+ $*}: $(tail -n 1 "$log.time" | cut -d ' ' -f 1) user"
    else
        fail "$program${1:+ $*}: $(head -c 300 "$log.err")"
    fi
}

# The course. Figures leave room: they are not the same with every instruction set. Of two, the first is for the short run, the second for the full one.
course="01_resnet 02_lstm 03_gpt 04_sentiment 05_bert 06_dcgan 07_diffusion 08_vae 09_yolo 10_ssd 11_style 12_recommender 13_dqn 14_ppo 15_imitation 16_evolution 17_transfer 18_fit"
of() { if [ -n "$TG_TEST_ALL" ]; then echo "$2"; else echo "$1"; fi; }
check_course() {
    name=$1 log=$2.txt
    at=$work
    if [ -z "$TG_TEST_ALL" ]; then launch "$2" "$log" short
    elif [ $name = 03_gpt ]; then launch "$2" "$log" "$here/examples/03_gpt.c"          # which reads itself, by a path from where it was compiled
    else launch "$2" "$log"; fi
    at=.
    case $name in
    01_resnet)      least "$log" '^\([0-9.]*\)% of 1024 unseen pictures.*' "$(of 20 90)";;
    02_lstm)        most "$log" '^the loss has come down to \(.*\)$' "$(of 1.5 1)"
                    least "$log" '^\([0-9]*\) of 40 names are new$' 10;;
    03_gpt)         most "$log" '^step [0-9]*  loss \([0-9.]*\) .*' "$(of 2.9 0.8)"
                    least "$log" '^\([0-9]*\) of [0-9]* letters are the same.*' 20;;         # rounding may part them, later
    04_sentiment)   least "$log" '^\([0-9.]*\)% of 2048 new sentences.*' "$(of 85 98)";;
    05_bert)        least "$log" '^hidden verbs: .* \([0-9.]*\)%$' "$(of 75 95)"
                    least "$log" '^hidden sounds .* \([0-9.]*\)%$' "$(of 60 90)";;
    06_dcgan)       most "$log" '^from the nearest .*, \([0-9.]*\) in a forgery$' "$(of 0.5 0.2)";;
    07_diffusion)   most "$log" '^step [0-9]*  loss \([0-9.]*\)$' "$(of 0.35 0.09)"
                    most "$log" '^by \([0-9.]*\) in DDPM.*' "$(of 0.95 0.5)";;
    08_vae)         most "$log" '^step [0-9]*  drawn again \([0-9.]*\) .*' "$(of 80 45)"
                    most "$log" '^unseen pictures, drawn again, are off by \([0-9.]*\) .*' "$(of 0.05 0.01)";;
    09_yolo)        least "$log" '^mAP@0.5 .*: \([0-9.]*\)$' "$(of 0.6 0.9)";;
    10_ssd)         least "$log" '^mAP@0.5 .*: \([0-9.]*\)$' "$(of 0.4 0.8)";;
    11_style)       least "$log" '^the distance of stuff has fallen to one \([0-9]*\)th$' "$(of 20 100)";;
    12_recommender) least "$log" '^the hidden film is among the ten recommended for \([0-9.]*\)%.*' "$(of 18 20)"
                    least "$log" '^of a film.* \([0-9.]*\) share its genre$' "$(of 5 6)";;
    13_dqn)         least "$log" '^mean of 100 games: \([0-9.]*\) steps$' "$(of 60 200)";;
    14_ppo)         least "$log" '^mean of 100 games: \([0-9.]*\) steps$' "$(of 100 400)";;
    15_imitation)   least "$log" '^the network that has watched bats \([0-9]*\) of 300 .*' "$(of 120 200)"
                    least "$log" '^tensorgrad has used .* jobs \([0-9]*\) times$' 1000;;
    16_evolution)   least "$log" '^the best brain passes \([0-9]*\) gates.*' "$(of 5 20)";;
    17_transfer)    least "$log" '^with the body .* \([0-9.]*\)% of unseen ones.*' "$(of 65 80)"
                    least "$log" '^\([0-9]*\) tensors loaded, 2 of another shape:$' 19;;
    18_fit)         least "$log" '^\([0-9.]*\)% of 500 unseen pictures.*' "$(of 25 85)"
                    prints "$log" '^the power fails after [0-9]* steps$' 1
                    grep -q '</html>' "$work/fit.html" && [ -n "$(ls "$work/fit_board")" ] && ok || fail "$log: no page or no events"
                    rm -rf "$work/fit.html" "$work/fit_board";;
    esac
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
line_of() { sed -n "s|^ *cc \(.*\)-o $1\(.*\) && ./$1.*|\1\2|p" "examples/$1.c" | head -n 1; }

# compile PROGRAM COMPILER ARGUMENTS...; build NAME PROGRAM COMPILER ARGUMENTS... runs it too
compile() {
    program=$1; shift
    if "$@" -o "$program" 2>"$program.err" && [ ! -s "$program.err" ]; then ok; return 0; fi
    fail "$*: $(head -n 5 "$program.err")"
    return 1
}
build() { name=$1; shift; compile "$@" && "check_$name" "$1"; }

several="autograd spiral digits"
[ $# -eq 0 ] || { several= course="$*"; }
for name in $several $course; do
    if [ -n "$(line_of $name)" ]; then ok; else fail "examples/$name.c: its comment has no line 'cc ... -o $name && ./$name'"; fi
done

# In C99 with every warning, over one implementation, which has a test of its own (compile.sh).
if shared_object; then
    for name in $several; do
        sed -e '/^#define TENSORGRAD_IMPLEMENTATION$/d' -e 's|"../tensorgrad.h"|"../../tensorgrad.h"|' "examples/$name.c" >"$work/$name.c"
        for compiler in gcc clang; do
            if command -v $compiler >/dev/null 2>&1; then
                set -- "$work/$name.$compiler" $compiler -std=c99 -O1 -Wall -Wextra -Wpedantic -Werror $limit "$work/$name.c" "$object"
                if [ $name$compiler = digitsclang ]; then compile "$@"; else build $name "$@"; fi          # its seconds are the kernels', which are the same
            else skip "$name: no $compiler"; fi
        done
    done
    for name in $course; do
        sed -e '/^#define TENSORGRAD_IMPLEMENTATION$/d' -e 's|"../tensorgrad.h"|"../../tensorgrad.h"|' "examples/$name.c" >"$work/$name.c"
        for compiler in clang gcc; do             # -Iexamples for the headers that some share; the whole path for 03_gpt
            if ! command -v $compiler >/dev/null 2>&1; then skip "$name: no $compiler"; continue; fi
            compile "$work/$name.$compiler" $compiler -std=c99 -O1 -Wall -Wextra -Wpedantic -Werror $limit -Iexamples "$here/$work/$name.c" "$object" -lm -lpthread || continue
            [ -n "$TG_TEST_ALL" ] || [ $compiler = clang ] || check_course $name "$work/$name.gcc"
        done
    done
else fail "$object does not compile"; fi

if [ -n "$TG_TEST_ALL" ]; then
    build digits "$work/digits" $CC examples/digits.c          # bare, as a beginner types it
    for name in $several; do
        for compiler in gcc clang; do         # clang has no kernels worth the name without -O2, and the header says so on stderr
            if command -v $compiler >/dev/null 2>&1; then build $name "$work/$name.$compiler.O2" $compiler -O2 -Wall -Wextra -Wpedantic "examples/$name.c"
            else skip "$name: no $compiler"; fi
        done
        [ $name = digits ] || build $name "$work/$name.line" $CC $(line_of $name)
    done
    for name in $course; do compile "$work/$name.line" $CC $(line_of $name) && check_course $name "$work/$name.line"; done
fi

echo "examples: $passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
