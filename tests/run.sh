#!/bin/sh
# Builds and runs the tests, into the ignored folder build/.
#   sh tests/run.sh              everything but the slow parts: 10 minutes at most on two cores, two parts at a time
#   sh tests/run.sh all          the slow parts too
#   sh tests/run.sh NAME ARGS... one part alone, with its arguments: golden DIR..., map, compile, io, formats, ...
#   sh tests/run.sh list         the names of the parts
# A part is a file here, found by its name: test_NAME.c and test_NAME.sh are the part NAME; fuzz_NAME.c, golden.c, formats.c, hostile.c, models.c, onnx.c and
# every other NAME.sh are the part of their own name; map is tools/map.c. A C file is built by `cc -O1` and run from the top folder; it includes the implementation, but
# as that takes a compiler 10 to 20 seconds, a file that reaches no private names is linked with build/impl.o instead. A line `run.sh flags: -lfoo` adds to its compile line. Each part closes with a line 'NAME: N passed, N failed, N skipped' and exits non-zero on a failure.
# What a part lacks (a compiler, an emulator, a folder of ../shared) it counts as skipped, and says so. The last line is the sum, 'tests: N passed, N failed, N skipped'.
# Settings: CC (gcc if there, else cc), CXX, TG_CFLAGS (-O1), TG_LIMIT (seconds for one part), TG_JOBS (2). Slow parts see TG_TEST_ALL=1 in their environment.

cd "$(dirname "$0")/.." || exit 2
root=$(pwd)
build=$root/build
mkdir -p "$build/log" "$build/bin" || exit 2
if [ -z "$CC" ]; then CC=cc; command -v gcc >/dev/null 2>&1 && CC=gcc; fi
: "${TG_CFLAGS=-O1}" "${TG_JOBS=2}"
export CC TG_CFLAGS TG_JOBS

# ---- which file a part is ----
file_of() {
    for f in "tests/test_$1.c" "tests/test_$1.sh" "tests/$1.sh" "tests/$1.c"; do
        [ -f "$f" ] && { echo "$f"; return 0; }
    done
    [ "$1" = map ] && [ -f tools/map.c ] && { echo tools/map.c; return 0; }
    return 1
}

# The longest first, so that two at a time end together.
list_parts() {
    echo compile
    for f in tests/test_*.c tests/fuzz_*.c tests/golden.c tests/formats.c tests/hostile.c tests/models.c tests/onnx.c tests/test_*.sh tests/*.sh; do
        [ -f "$f" ] || continue
        name=${f#tests/}; name=${name%.*}; name=${name#test_}
        case $f in tests/run.sh|tests/compile.sh|tests/budgets.sh) continue;; tests/test_*) ;; *.sh) case $f in tests/test_*) continue;; esac;; esac
        echo "$name"
    done | awk '!seen[$0]++'
    [ -f tools/map.c ] && echo map
    echo budgets
}

# The implementation as an object, for all tests that see only what users see; built once, by whoever comes first. Its name carries the compile line.
shared_object() {
    key=$(echo "$CC $TG_CFLAGS" | tr -c 'A-Za-z0-9\n' '_')
    shared=$build/impl$key.o
    tries=0
    while ! mkdir "$shared.lock" 2>/dev/null; do
        tries=$((tries + 1))
        [ $tries -gt 300 ] && return 1
        sleep 1
    done
    trap 'rmdir "$shared.lock" 2>/dev/null; exit 3' INT TERM HUP
    if [ ! -f "$shared" ] || [ ! -f "$shared.c" ] || [ -n "$(find tensorgrad.h -newer "$shared.c")" ]; then      # .c: written before the header was read
        rm -f "$shared"
        printf '#define TENSORGRAD_IMPLEMENTATION\n#include "tensorgrad.h"\n' > "$shared.c"
        $CC $TG_CFLAGS -DTENSORGRAD_SOFT_FMA -I. -c "$shared.c" -o "$shared.new" >"$shared.txt" 2>&1 && mv "$shared.new" "$shared"
    fi
    rmdir "$shared.lock"
    trap - INT TERM HUP
    [ -f "$shared" ]
}
# Links a test with that object: TG__IMPLEMENTATION_DONE keeps the header from giving it another. Fails, without a word, for tests that need their own.
build_shared() {
    grep -qE '^ *# *define +(TENSORGRAD_(NO|TEACH|DEBUG|STATIC|NATIVE|FILENAME)|TG_)|tg__|TG__' "$2" && return 1
    grep -q 'TENSORGRAD_IMPLEMENTATION\|"test\.h"' "$2" || return 1
    shared_object || return 1
    $line -DTG__IMPLEMENTATION_DONE -include string.h "$2" "$shared" $flags -o "$bin.new" >"$bin.txt" 2>&1
}

# ---- one part: build it if it is out of date, run it with its arguments ----
run_part() {
    name=$1; shift
    file=$(file_of "$name") || { echo "run.sh: there is no part '$name'; the parts are:" $(list_parts) >&2; return 2; }
    case $file in
        *.sh) sh "$file" "$@"; return $?;;
    esac
    flags=$(sed -n 's/.*run\.sh flags: *\([^*]*\).*/\1/p' "$file" | head -n 1)
    line="$CC $TG_CFLAGS"
    bin=$build/bin/$name
    if [ ! -x "$bin" ] || [ "$(cat "$bin.line" 2>/dev/null)" != "$line $flags" ] ||
       [ -n "$(find "$file" tensorgrad.h tests -maxdepth 1 \( -name '*.h' -o -path "$file" \) -newer "$bin.line" 2>/dev/null)" ]; then
        rm -f "$bin"
        echo "$line $flags" > "$bin.line"                       # before the compiler reads the files, so that a change meanwhile is seen
        if [ "$file" = tools/map.c ]; then
            $line -Wall -Wextra "$file" -o "$bin.new"
        else
            build_shared "$name" "$file" || $line "$file" $flags -o "$bin.new"          # libraries come behind what needs them
        fi || { echo "FAIL $file does not compile: $line $file $flags"; echo "$name: 0 passed, 1 failed, 0 skipped"; return 1; }
        mv "$bin.new" "$bin"
    fi
    [ "$file" = tools/map.c ] && [ $# -eq 0 ] && set -- tensorgrad.h
    "$bin" "$@"
}

# Runs a part into its log and writes 'passed failed skipped' to its result. A part that crashes, hangs or forgets its closing line has failed.
log_part() {
    name=$1
    log=$build/log/$name.txt
    begin=$(date +%s)
    if command -v timeout >/dev/null 2>&1; then
        timeout -k 5 "$limit" sh tests/run.sh "$name" >"$log" 2>&1 </dev/null
    else
        sh tests/run.sh "$name" >"$log" 2>&1 </dev/null
    fi
    code=$?
    seconds=$(( $(date +%s) - begin ))
    closing=$(grep -a '^[A-Za-z0-9_]*: [0-9]* passed, [0-9]* failed, [0-9]* skipped' "$log" | tail -n 1)
    set -- $(echo "$closing" | sed -n 's/^[^:]*: \([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped.*/\1 \2 \3/p')
    p=${1:-0}; f=${2:-0}; s=${3:-0}
    why=
    if [ -z "$closing" ]; then why=" (exit code $code, without a closing line)"; [ "$code" = 124 ] && why=" (longer than $limit s)"; f=$((f + 1))
    elif [ "$code" -ne 0 ] && [ "$f" -eq 0 ]; then why=" (exit code $code)"; f=1; fi
    echo "$p $f $s" > "$build/result/$name"
    {
        grep -a -i '^ *skip' "$log" | head -n 12 | sed 's/^/    /'
        if [ "$f" -gt 0 ]; then
            echo "    ---- $name failed$why; the whole of it: build/log/$name.txt"
            { grep -a -E '^ *FAIL|error:|ERROR: |runtime error' "$log" || tail -n 12 "$log"; } | head -n 25 | cut -c1-300 | sed 's/^/    /'
        fi
        [ "$name" = budgets ] && grep -a '^  ' "$log"
        echo "$name: $p passed, $f failed, $s skipped  [$seconds s]"
    } > "$build/result/$name.text"
    cat "$build/result/$name.text"
}

# A worker takes the next part that nobody has taken; mkdir is the lock.
work() {
    for part in $parts; do
        [ "$part" = budgets ] && continue
        mkdir "$build/taken/$part" 2>/dev/null || continue
        log_part "$part"
    done
}

case ${1-} in
    list) list_parts; exit 0;;
    ''|all) ;;
    *)
        name=$1; shift
        name=${name#tests/}; name=${name%.c}; name=${name%.sh}
        file_of "$name" >/dev/null || name=${name#test_}
        run_part "$name" "$@"
        exit $?;;
esac

limit=${TG_LIMIT:-600}
if [ "${1-}" = all ]; then TG_TEST_ALL=1; export TG_TEST_ALL; limit=${TG_LIMIT:-7200}; fi
parts=$(list_parts)
rm -rf "$build/taken" "$build/result" "$build"/*.lock
mkdir -p "$build/taken" "$build/result"
start=$(date +%s)
i=1
while [ "$i" -lt "$TG_JOBS" ]; do work & i=$((i + 1)); done
work
wait
[ -f tests/budgets.sh ] && log_part budgets          # alone, because it measures time
set -- $(cat "$build"/result/* 2>/dev/null | awk 'NF == 3 && /^[0-9 ]+$/ { p += $1; f += $2; s += $3 } END { print p + 0, f + 0, s + 0 }')
if [ "$2" -gt 0 ]; then
    echo "failed:" $(for part in $parts; do [ -f "$build/result/$part" ] && { read -r p f s < "$build/result/$part"; [ "$f" -gt 0 ] && echo "$part"; }; done)
fi
echo "time: $(( $(date +%s) - start )) s"
echo "tests: $1 passed, $2 failed, $3 skipped"
[ "$2" -eq 0 ]
