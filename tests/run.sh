#!/bin/sh
# Builds and runs the tests, into the ignored folder build/.
#   sh tests/run.sh              what everybody runs: under 8 minutes on two cores, two parts at a time
#   sh tests/run.sh NAME ARGS... one part alone, with its arguments: golden DIR..., map, compile, io, formats, ...
#   sh tests/run.sh all          the long run: all that has a shard, the normal run among it; hours
#   sh tests/run.sh all NAME...  some of its shards, each at most half an hour
#   sh tests/run.sh list         the names of the parts; list all: the shards
# A part is a file here, found by its name: test_NAME.c and test_NAME.sh are the part NAME; fuzz_NAME.c, golden.c, formats.c, hostile.c, models.c, onnx.c and
# every other NAME.sh are the part of their own name; map is tools/map.c. Each part closes with a line 'NAME: N passed, N failed, N skipped' and exits non-zero on a
# failure. What a part lacks (a compiler, an emulator, a folder of ../shared) it counts as skipped, and says so. The last line is the sum, 'tests: N passed, ...'.
#
# The implementation is what costs a compiler its time, so it is compiled a few times, not once per test (objects.sh does it). The C tests are of two kinds:
#   - those that see what users see are linked with the object that README tells users to make, whatever they define themselves;
#   - those that use private names (found by looking for tg__ and TG__ words that the declarations do not have) share a program: a generated file,
#     build/bin/private_1.c, includes the implementation once and then several of them, their mains renamed. They stand in one translation unit, so a test whose
#     names at file scope, or macros, are another's goes into a second such file, and so on: to share names costs a compile, nothing else. build/groups tells.
# A line `run.sh flags: -lfoo` in a test adds to its compile line. Every test runs behind isa.h, which reads TG_TEST_ISA.
# Settings: CC (gcc if there, else cc); TG_CFLAGS for tests and object (else -O1 and -O2); TG_JOBS (2); TG_PARTS="bits conv": these parts only;
# TG_TEST_ISA=avx2 or plain: as on a machine that has no more; TG_TENSORBOARD: a python with that package (else python3 is asked);
# TG_LIMIT: what one part may take (600), in units of what unit.c takes on this machine, one being
# a second on a machine of 2025. In shards of `all` TG_TEST_ALL=1 is in the environment, and TG_TEST_SEED, which is printed, chooses the piece of a long sweep,
# or what is random.

cd "$(dirname "$0")/.." || exit 2
. tests/objects.sh
build=build
mkdir -p $build/bin || exit 2

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
    for f in $(c_tests) tests/test_*.sh tests/*.sh; do
        name=${f#tests/}; name=${name%.*}; name=${name#test_}
        case $f in tests/run.sh|tests/objects.sh|tests/compile.sh|tests/budgets.sh) continue;; tests/test_*) ;; *.sh) case $f in tests/test_*) continue;; esac;; esac
        echo "$name"
    done | awk '!seen[$0]++'
    [ -f tools/map.c ] && echo map
    echo budgets
}

# These run in `all`, or by their names.
slow_parts='bits_builds|wasm'

# What `all` runs: a name, settings, and the part with its arguments; none: the normal run. A shard takes at most half an hour on a slow machine, so what grows is cut here.
list_shards() {
    sed 's/ *#.*//' <<'END'
normal
isa_avx2       TG_TEST_ISA=avx2
isa_plain      TG_TEST_ISA=plain
warnings       compile warnings options hostile
builds         compile build two plugin
objects        compile object bits fiber cross
bits_builds    bits_builds
sanitize_1     TG_TEST_SEED=0 sanitize every 4
sanitize_2     TG_TEST_SEED=1 sanitize every 4
sanitize_3     TG_TEST_SEED=2 sanitize every 4
sanitize_4     TG_TEST_SEED=3 sanitize every 4
memory         memory
fuzz_npy       fuzz_npy
fuzz_data      fuzz_data
fuzz_safetensors fuzz_safetensors
maths_1        TG_TEST_SEED=0 maths all 6
maths_2        TG_TEST_SEED=1 maths all 6
maths_3        TG_TEST_SEED=2 maths all 6
maths_4        TG_TEST_SEED=3 maths all 6
maths_5        TG_TEST_SEED=4 maths all 6
maths_6        TG_TEST_SEED=5 maths all 6
examples       examples
cuda_sanitize  cuda sanitize
cuda_nvrtc     cuda nvrtc
wasm           wasm
END
}

# ---- one part: build it if it is out of date, run it with its arguments ----
run_part() {
    part=$1; shift
    case "$part $*" in "golden "*"--device emulated"*) sh tests/test_cuda.sh libraries >/dev/null || return 1;; esac
    file=$(file_of "$part") || { echo "run.sh: there is no part '$part'; the parts are:" $(list_parts) >&2; return 2; }
    case $file in
        *.sh) sh "$file" "$@"; return $?;;
        tools/map.c)
            build_once $build/bin/map tools/map.c $CC $TG_CFLAGS -Wall -Wextra tools/map.c
            program=$build/bin/map said=$build/bin/map.txt
            [ $# -gt 0 ] || set -- tensorgrad.h;;
        *)
            object= said=
            case $(kinds "$file") in
                public*) shared_object || said=$object.txt;;
            esac
            [ -n "$said" ] || build_test "$file" "" "$object" $CC $TG_CFLAGS;;
    esac || { echo "FAIL $file does not compile: $(cat "${said%.txt}.line")"; grep -E 'error|undefined|multiple|warning' "$said" | head -n 12; echo "$part: 0 passed, 1 failed, 0 skipped"; return 1; }
    $program "$@"
}

# Runs a part or a shard into its log and writes 'passed failed skipped' to its result. One that crashes, hangs or forgets its closing line has failed.
log_part() {
    name=$1; shift
    log=$logs/$name.txt
    begin=$(date +%s)
    if have timeout; then set -- timeout -k 5 "$limit" "$@"; fi
    "$@" >"$log" 2>&1 </dev/null
    code=$?
    seconds=$(( $(date +%s) - begin ))
    closing=$(grep -a '^[A-Za-z0-9_]*: [0-9]* passed, [0-9]* failed, [0-9]* skipped' "$log" | tail -n 1)
    set -- $(echo "$closing" | sed -n 's/^[^:]*: \([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped.*/\1 \2 \3/p')
    p=${1:-0}; f=${2:-0}; s=${3:-0}
    why=
    if [ -z "$closing" ]; then why=" (exit code $code, without a closing line)"; [ "$code" = 124 ] && why=" (longer than $limit s)"; f=$((f + 1))
    elif [ "$code" -ne 0 ] && [ "$f" -eq 0 ]; then why=" (exit code $code)"; f=1; fi
    echo "$p $f $s" > "$run/result/$name"
    {
        grep -a -i -E '^ *(skip|note:)' "$log" | head -n 12 | sed 's/^/    /'
        if [ "$f" -gt 0 ]; then
            echo "    ---- $name failed$why; the whole of it: $log"
            { grep -a -E '^ *FAIL|error:|ERROR: |runtime error' "$log" || tail -n 12 "$log"; } | head -n 25 | cut -c1-300 | sed 's/^/    /'
        fi
        [ "$name" = budgets ] && grep -a '^  ' "$log"
        echo "$name: $p passed, $f failed, $s skipped  [$seconds s]"
    } > "$run/result/$name.text"
    cat "$run/result/$name.text"
}

# A worker takes the next part that nobody has taken; mkdir is the lock.
work() {
    for each in $todo; do
        [ "$each" = budgets ] && continue
        mkdir "$run/taken/$each" 2>/dev/null || continue
        $start_one "$each"
    done
}
start_part() { log_part "$1" sh tests/run.sh "$1"; }
# A shard's line, less its name, is settings and the arguments of run.sh.
start_shard() {
    set -- "$1" $(list_shards | awk -v name="$1" '$1 == name { $1 = ""; print }')
    shard=$1; shift
    settings=
    [ "$shard" = normal ] || settings="TG_TEST_ALL=1 TG_TEST_SEED=$seed"
    while case ${1-} in *=*) true;; *) false;; esac; do settings="$settings $1"; case $1 in TG_TEST_ISA=*) settings="$settings TG_TEST_ALL=";; esac; shift; done
    log_part "$shard" env $settings sh tests/run.sh "$@"
}

# ---- how fast this machine is ----
# Seconds for so many units; a machine without a clock of nanoseconds gets twice the seconds.
seconds_of() {
    if [ -z "$TG_UNIT" ]; then
        TG_UNIT=2000
        case $(date +%N) in
            *[!0-9]*|'') ;;
            *)
                t0=$(date +%s%N)
                $CC -O1 tests/unit.c -o $build/bin/unit.$$ && $build/bin/unit.$$
                t1=$(date +%s%N)
                rm -f $build/bin/unit.$$
                TG_UNIT=$(( (t1 - t0) / 200000 + 1 ));;        # 0.2 seconds are one unit, 1000 in TG_UNIT
        esac
        export TG_UNIT
    fi
    echo $(( $1 * TG_UNIT / 1000 + 1 ))
}

case ${1-} in
    list) if [ "${2-}" = all ]; then list_shards | awk '{ print $1 }'; else list_parts; fi; exit 0;;
    '')
        kind=parts start_one=start_part limit=${TG_LIMIT:-600}
        todo=${TG_PARTS:-$(list_parts | grep -vxE "$slow_parts")};;
    all)
        shift
        kind=shards start_one=start_shard limit=${TG_LIMIT:-1800}
        todo=${*:-$(list_shards | awk '{ print $1 }')}
        for each in $todo; do
            list_shards | awk '{ print $1 }' | grep -qx -- "$each" || { echo "run.sh: there is no shard '$each'; the shards are:" $(list_shards | awk '{ print $1 }') >&2; exit 2; }
        done;;
    *)
        name=$1; shift
        name=${name#tests/}; name=${name%.c}; name=${name%.sh}
        file_of "$name" >/dev/null || name=${name#test_}
        run_part "$name" "$@"
        exit $?;;
esac
run=$build/run_$kind$TG_TEST_ISA
logs=$build/log; [ $kind = shards ] && logs=$build/log/all; [ -n "$TG_TEST_ISA" ] && logs=$build/log/$TG_TEST_ISA
rm -rf "$run"
mkdir -p "$run/taken" "$run/result" "$logs"
start=$(date +%s)
seconds_of 1 >/dev/null
limit=$(seconds_of "$limit")
if [ $kind = parts ]; then
    # what nearly every part needs, before any of them
    if [ "$TG_JOBS" -gt 1 ]; then shared_object & else shared_object; fi
    private=$(private_tests | head -n 1)
    [ -z "$private" ] || build_test "$private" "" "" $CC $TG_CFLAGS
    wait
    if ! shared_object; then
        echo "    ---- the implementation does not compile: $(cat "$object.line")"
        grep -E 'error|warning' "$object.txt" | head -n 25 | sed 's/^/    /'
        echo "tests: 0 passed, 1 failed, 0 skipped"
        exit 1
    fi
    echo "objects: the implementation for those parts that share it  [$(( $(date +%s) - start )) s]; a part may take $limit s${TG_TEST_ISA:+; as on a machine with no more than $TG_TEST_ISA}"
else
    seed=${TG_TEST_SEED:-$(date +%s)}                # what is random in a shard comes from it; a shard that has a seed of its own is a piece of a sweep
    echo "a shard may take $limit s; TG_TEST_SEED=$seed"
fi
i=1
while [ "$i" -lt "$TG_JOBS" ]; do work & i=$((i + 1)); done
work
wait
case " $(echo $todo) " in *" budgets "*) $start_one budgets;; esac          # alone, because it measures time
set -- $(cat "$run"/result/* 2>/dev/null | awk 'NF == 3 && /^[0-9 ]+$/ { p += $1; f += $2; s += $3 } END { print p + 0, f + 0, s + 0 }')
if [ "$2" -gt 0 ]; then
    echo "failed:" $(for part in $todo; do [ -f "$run/result/$part" ] && { read -r p f s < "$run/result/$part"; [ "$f" -gt 0 ] && echo "$part"; }; done)
fi
echo "time: $(( $(date +%s) - start )) s"
echo "tests: $1 passed, $2 failed, $3 skipped"
[ "$2" -eq 0 ]
