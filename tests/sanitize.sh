#!/bin/sh
# The part `sanitize`: the other tests once more under the address, undefined and thread sanitizers and under valgrind.
#   sh tests/run.sh sanitize [NAME...]      these tests only, with all of the tools
#   sh tests/run.sh sanitize every N        every Nth test, the first of them by TG_TEST_SEED
# The normal run takes the parsers and whole programs with the plain and strict passes only, at -O0, because the sanitizers make a whole build of the header take minutes;
# TG_TEST_ALL=1 takes every test there is and every pass. A report or a crash fails; what the test itself says is for the part of its own name.
cd "$(dirname "$0")/.." || exit 2
. tests/objects.sh
out=build/sanitize
mkdir -p $out
passed=0 failed=0 skipped=0
pass() { passed=$((passed + 1)); }
fail() { failed=$((failed + 1)); echo "FAIL $1"; }
skip() { skipped=$((skipped + 1)); echo "skip: $1"; }
cc=gcc; have clang && cc=clang
have $cc || { echo "sanitize: 0 passed, 0 failed, 1 skipped"; exit 0; }
build="-g1 -O0 -DTENSORGRAD_TEACH -DTENSORGRAD_SOFT_FMA"; [ -n "$TG_TEST_ALL" ] && build="-g1 -O1 -fno-omit-frame-pointer -DTENSORGRAD_SOFT_FMA"
ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:allocator_may_return_null=1; UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=0; TSAN_OPTIONS=halt_on_error=0
export ASAN_OPTIONS UBSAN_OPTIONS TSAN_OPTIONS

# sanitized KIND NAME FILE FLAGS...: builds and runs; any report is a failure
sanitized() {
    kind=$1 what=$2 source=$3; shift 3
    flavour=sanitize_$kind; [ -n "$TG_TEST_ALL" ] && flavour=${flavour}_all
    object $flavour $cc $build "$@"
    if [ ! -f $object ] || ! build_test "$source" $flavour $object $cc $build "$@" -I. -Itests; then
        [ -f $object ] || said=$object.txt
        if grep -qE 'cannot find.*san|libclang_rt.*No such|cannot open.*libclang_rt' "$said"; then skip "$what: the sanitizer's library is not there"; return; fi
        fail "$what does not build"; grep error "$said" | head -n 3 | sed 's/^/     /'; return
    fi
    # every test here, but each in its usual length: every float and every allocation under a sanitizer would take a day
    env -u TG_TEST_ALL timeout "$limit" $program >$out/run.txt 2>&1
    code=$?
    # a refused allocation is a warning and no report: tests ask for sizes that nobody has
    if [ $code -le 1 ] && ! grep -v 'failed to allocate' $out/run.txt | grep -qE 'runtime error:|Sanitizer'; then pass
    else
        fail "$what under $* (exit code $code)"
        grep -aE 'runtime error:|ERROR: |WARNING: Thread|SUMMARY|FAIL|#[0-5] ' $out/run.txt | head -n 8 | cut -c1-200 | sed 's/^/     /'
    fi
}
limit=$(( ${TG_LIMIT:-300} * ${TG_UNIT:-1000} / 1000 + 1 ))
every=1; [ "${1-}" = every ] && { every=${2:-1}; shift 2; }
names=$*
if [ -z "$names" ]; then
    names="extremes io hostile fuzz_data fuzz_npy fuzz_safetensors compile_bits"
    if [ -n "$TG_TEST_ALL" ]; then names="$(ls tests/test_*.c 2>/dev/null | sed 's|tests/test_||; s|\.c$||') golden formats hostile models fuzz_data fuzz_npy fuzz_safetensors compile_bits compile_main"; fi
fi
if [ $every -gt 1 ]; then
    names=$(echo $names | tr ' ' '\n' | awk -v n=$every -v seed="${TG_TEST_SEED:-0}" '(NR - 1) % n == seed % n')
    echo "seed ${TG_TEST_SEED:-0}: every test of $every, namely" $names
fi
file_of() { for f in "tests/test_$1.c" "tests/$1.c"; do [ -f "$f" ] && { echo "$f"; return 0; }; done; return 1; }
for name in $names; do
    file=$(file_of "$name") || { skip "no test $name"; continue; }
    sanitized address "$name" "$file" -fsanitize=address,undefined
done
threads=
for name in threads share jobs pool; do [ -f "tests/test_$name.c" ] && threads="$threads $name"; done
threads="$threads compile_main"
[ $every -gt 1 ] && [ $(( ${TG_TEST_SEED:-0} % every )) -ne 0 ] && threads=
for name in $threads; do sanitized thread "$name, threads" "$(file_of "$name")" -fsanitize=thread; done

# valgrind knows no AVX-512: the plain pass and AVX2. A program that was built for the tests, if it is there.
if have valgrind; then
    c=$cc; have tcc && [ -z "$TG_TEST_ALL" ] && c=tcc          # quick to build, and plain
    if $c -g -DTENSORGRAD_TEACH -I. tests/compile_main.c -o $out/main 2>/dev/null; then
        if valgrind -q --error-exitcode=9 --leak-check=full --track-origins=no $out/main >$out/run.txt 2>&1; then pass; else fail "valgrind, plain pass"; grep -a '==' $out/run.txt | head -n 10 | sed 's/^/     /'; fi
    else fail "compile_main.c does not build with TENSORGRAD_TEACH"
    fi
else
    skip "no valgrind"
fi
echo "sanitize: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
