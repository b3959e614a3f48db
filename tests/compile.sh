#!/bin/sh
# The part `compile`: the header under every compiler, standard, option and flag we know of, what its object file holds, and programs that use it in unusual ways.
#   sh tests/run.sh compile [GROUP...]      groups: warnings options build bits object hostile two plugin fiber cross; none named: all of them
# The normal run takes what differs: every compiler and language once, with the kernels of one pass where that is enough, for code is what takes a compiler its time; what can be
# seen without code (-fsyntax-only, -E) or is built by tcc, in a tenth of a second, costs little. `sh tests/run.sh all warnings builds objects` (TG_TEST_ALL=1) takes the product
# of compilers, standards and levels.
cd "$(dirname "$0")/.." || exit 2
. tests/objects.sh
out=build/compile
mkdir -p $out
groups=${*:-warnings options build bits object hostile two plugin fiber cross}
passed=0 failed=0 skipped=0
warn="-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wcast-align -Wundef -Werror"
inc="-I."
slow() { [ -n "$TG_TEST_ALL" ]; }
pass() { passed=$((passed + 1)); }
fail() { failed=$((failed + 1)); echo "FAIL $1"; }
skip() { skipped=$((skipped + 1)); echo "skip: $1"; }
in_group() { case " $groups " in *" $1 "*) return 0;; esac; return 1; }
# flags for "this machine", which may have to play a lesser one; then programs that are linked with an object are told too
native=-march=native limit=
case $TG_TEST_ISA in '') ;; avx2) native=-march=haswell limit="-include tests/isa.h";; *) native=-march=x86-64 limit="-include tests/isa.h";; esac
one="$native -DTENSORGRAD_NATIVE"          # one pass: the widest that these flags name
few=-DTENSORGRAD_TEACH; slow && few=       # where any pass will do

# compiles NAME COMMAND...: the command must succeed and say nothing
compiles() {
    what=$1; shift
    have "$1" || { skip "$what: no $1"; return 1; }
    if "$@" >$out/log.txt 2>&1 && [ ! -s $out/log.txt ]; then pass; return 0; fi
    fail "$what: $*"
    grep -E 'error|warning|undefined|multiple' $out/log.txt | head -n 6 | cut -c1-220 | sed 's/^/     /'
    return 1
}
# says_ok NAME COMMAND...: the program must exit with 0 and its last line must begin with ok
says_ok() {
    what=$1; shift
    if "$@" >$out/run.txt 2>&1 && tail -n 1 $out/run.txt | grep -q '^ok'; then pass; return 0; fi
    code=$?
    fail "$what: $* (exit code $code)"
    tail -n 5 $out/run.txt | cut -c1-220 | sed 's/^/     /'
    return 1
}
# builds_and_runs NAME OUTPUT COMMAND...: compiles with -o OUTPUT, then runs it
builds_and_runs() {
    what=$1; bin=$2; shift 2
    rm -f "$bin"
    compiles "$what" "$@" -o "$bin" && says_ok "$what runs" ./"$bin"
}

# quick NAME OUTPUT FLAGS...: builds by tcc if it is there and this is not `all`, else by gcc with only the plain pass; runs
quick() {
    what=$1 bin=$2; shift 2
    if have tcc && ! slow; then builds_and_runs "tcc $what" $bin tcc "$@"; else builds_and_runs "gcc -O1 $what, plain pass" $bin gcc -O1 -DTENSORGRAD_TEACH "$@"; fi
}

# ---------------------------------------------------------------------------------------------------------------- warnings
if in_group warnings; then
    for c in gcc clang; do
        for std in c99 c11 gnu17; do
            compiles "$c $std, declarations" $c -std=$std $warn $inc -fsyntax-only tests/compile_decl.c
            slow && compiles "$c $std, implementation" $c -std=$std $warn $inc -fsyntax-only tests/compile_impl.c
        done
    done
    for c in g++ clang++; do
        for std in c++11 c++17 c++20; do
            compiles "$c $std, declarations" $c -std=$std $warn $inc -fsyntax-only tests/compile_decl.cpp
            slow && compiles "$c $std, implementation" $c -std=$std $warn $inc -fsyntax-only tests/compile_impl.cpp
        done
    done
    # one of C with all passes; one of each other compiler and language with one
    # (gcc follows columns for so many lines only; without its flag for large sources it remarks, under -Wall, that one warning of its own is off from there on)
    compiles "gcc c99, implementation, missing prototypes" gcc -std=c99 -flarge-source-files $warn -Wmissing-prototypes -Wstrict-prototypes -Wold-style-definition -Wvla -Wwrite-strings $inc -fsyntax-only tests/compile_impl.c
    compiles "clang c11, one pass" clang -std=c11 $warn -Wmissing-prototypes -Wstrict-prototypes -Wvla $one $inc -fsyntax-only tests/compile_impl.c
    compiles "g++ c++11, one pass" g++ -std=c++11 $warn $one $inc -fsyntax-only tests/compile_impl.cpp
    compiles "clang++ c++20, one pass" clang++ -std=c++20 $warn $one $inc -fsyntax-only tests/compile_impl.cpp
    if slow; then
        compiles "clang, missing prototypes" clang -std=c99 $warn -Wmissing-prototypes -Wstrict-prototypes -Wvla $inc -fsyntax-only tests/compile_impl.c
        # some warnings need the optimiser
        compiles "g++ c++17 -O2, the whole of it" g++ -std=c++17 -O2 $warn $inc -c tests/compile_impl.cpp -o $out/warned.o
    fi
    compiles "gcc -m32, declarations" gcc -m32 -std=c99 $warn $inc -fsyntax-only -ffreestanding -DCOMPILE_32 tests/compile_decl.c
    # PART I includes stddef, stdint and stdbool only
    others=$(awk '/^#if defined\(TENSORGRAD_IMPLEMENTATION\)/ { exit } /^ *# *include </ { print $2 $3 }' tensorgrad.h | grep -vE '<std(def|int|bool)\.h>' | tr '\n' ' ')
    if [ -z "$others" ]; then pass; else fail "the declarations include more than stddef, stdint and stdbool: $others"; fi
    # the models, which are C, are C++20 too: PORTING.md says so
    { echo '#include "tensorgrad.h"'; echo '#include <stdio.h>'; echo '#include <stdlib.h>'; echo '#include <string.h>'; echo '#include <math.h>'; for f in examples/models/*.h; do echo "#include \"$f\""; done; } > $out/models.cpp
    for c in g++ clang++; do compiles "$c c++20, examples/models" $c -std=c++20 -Wall -Wno-unused-function $inc -fsyntax-only $out/models.cpp; done
    # programs beside the tests, which nobody else compiles every day
    for f in tools/*.c; do compiles "$f" gcc -std=gnu99 -fsyntax-only $inc -DTENSORGRAD_TEACH -Wall $f; done
fi

# ----------------------------------------------------------------------------------------------------------------- options
# Each option that the header knows, alone; real builds by tcc, which takes a fraction of a second, and by gcc in `all`.
options=$(grep -oE 'TENSORGRAD_(NO_[A-Z0-9_]+|TEACH|DEBUG|NATIVE|SOFT_FMA|STATIC)' tensorgrad.h | sort -u)
if in_group options; then
    for o in $options; do
        [ $o = TENSORGRAD_STATIC ] && continue
        pass1=$few; [ $o = TENSORGRAD_TEACH ] && pass1=
        compiles "gcc -D$o"   gcc -std=c99 -flarge-source-files $warn $inc $pass1 -D$o -fsyntax-only tests/compile_impl.c
        slow && compiles "clang++ -D$o" clang++ -std=c++17 $warn $inc -D$o -fsyntax-only tests/compile_impl.cpp
        quick "-D$o" $out/option $inc -D$o tests/compile_main.c
        slow && builds_and_runs "gcc -O2 $native -D$o" $out/option gcc -O2 $native $inc -D$o tests/compile_main.c
        [ $o = TENSORGRAD_DEBUG ] && slow && builds_and_runs "gcc -O0 -D$o" $out/option gcc -O0 $inc -D$o tests/compile_main.c
    done
    all_no=$(for o in $options; do case $o in *_NO_*) printf ' -D%s' $o;; esac; done)
    compiles "gcc, every NO_ option at once" gcc -std=c99 $warn $inc $all_no -DTENSORGRAD_TEACH -fsyntax-only tests/compile_impl.c
    # nothing of stdio or files is left without them
    c="gcc -O1"; have tcc && ! slow && c=tcc
    if [ -n "$all_no" ] && compiles "$c, object with every NO_ option" $c $inc $all_no -DTENSORGRAD_TEACH -c tests/compile_impl.c -o $out/no.o; then
        left=$(nm -u $out/no.o | awk '{ print $NF }' | grep -vE '^(_GLOBAL_OFFSET_TABLE_|mem(cpy|move|set|cmp|chr)|str(len|cmp|ncmp)|malloc|free|madvise|calloc|realloc|posix_memalign|aligned_alloc|__stack_chk_fail|__errno_location|write|__va_arg|__floatundi[sd]f)$' | tr '\n' ' ')
        if [ -z "$left" ]; then pass; else fail "with every NO_ option the object still asks for: $left"; fi
    fi
    compiles "gcc -DTENSORGRAD_STATIC" gcc -std=c99 $warn $inc $few -DTENSORGRAD_STATIC -fsyntax-only tests/compile_impl.c
    compiles "clang -DTENSORGRAD_STATIC" clang -std=c99 $warn $inc $few -DTENSORGRAD_STATIC -fsyntax-only tests/compile_impl.c
    compiles "g++ -DTENSORGRAD_STATIC" g++ -std=c++11 $warn $inc $few -DTENSORGRAD_STATIC -fsyntax-only tests/compile_impl.cpp
    # a copy under another name
    mkdir -p $out/renamed
    sed 's/"tensorgrad\.h"/"nobody.h"/' tensorgrad.h > $out/renamed/tg_copy.h
    quick "a renamed copy, TENSORGRAD_FILENAME" $out/renamed_main -I$out/renamed -DTENSORGRAD_TEACH '-DTENSORGRAD_FILENAME="tg_copy.h"' '-DCOMPILE_HEADER="tg_copy.h"' tests/compile_main.c
fi

# ------------------------------------------------------------------------------------- the same object for several tests
# impl NAME COMPILER FLAGS...: the implementation as the object $o
impl() {
    what=$1; shift
    have $1 || { skip "$what: no $1"; return 1; }
    object "$(object_name "$@")" "$@" && [ ! -s $object.txt ] || { fail "the implementation as an object: $*"; head -n 5 $object.txt | cut -c1-220 | sed 's/^/     /'; return 1; }
    pass
    o=$object
}
# gcc's is the one that the other tests use too; of clang and C++ one pass, in `all` every one
impl_gcc()   { impl gcc gcc -O2 -DTENSORGRAD_SOFT_FMA; }
impl_clang() { if slow; then impl clang clang -O2 -DTENSORGRAD_SOFT_FMA; else impl clang clang -O1 -DTENSORGRAD_SOFT_FMA $one; fi; }
impl_cpp()   { if slow; then language=c++ impl g++ g++ -O2 -DTENSORGRAD_SOFT_FMA; else language=c++ impl g++ g++ -O2 -DTENSORGRAD_SOFT_FMA -std=c++17 $warn $one; fi; }
impl_arm()   { if slow; then impl aarch64 aarch64-linux-gnu-gcc -O2 -DTENSORGRAD_SOFT_FMA; else impl aarch64 aarch64-linux-gnu-gcc -O2 -DTENSORGRAD_NATIVE -DTENSORGRAD_SOFT_FMA; fi; }
user="-O1 -DCOMPILE_SHARED $inc $limit"

# ------------------------------------------------------------------------------------------------------------------- build
if in_group build; then
    impl_gcc && builds_and_runs "gcc -O2"    $out/main gcc $user tests/compile_main.c $o
    impl_clang && builds_and_runs "clang"    $out/main clang $user tests/compile_main.c $o
    impl_cpp && builds_and_runs "g++"        $out/main g++ $user tests/compile_main.cpp $o
    builds_and_runs "tcc"                    $out/main tcc $inc tests/compile_main.c
    if slow; then
        builds_and_runs "cc, no flags, C"    $out/main gcc $inc tests/compile_main.c
        builds_and_runs "g++ -O1 -std=c++17" $out/main g++ -O1 -std=c++17 $inc tests/compile_main.cpp
        for flags in "-O0" "-O3 $native" "-Ofast" "-O2 $one" "-O2 -DTENSORGRAD_TEACH"; do
            builds_and_runs "gcc $flags" $out/main gcc $flags $inc tests/compile_main.c
            builds_and_runs "clang $flags" $out/main clang $flags $inc tests/compile_main.c
        done
        for std in c++11 c++20; do
            builds_and_runs "g++ -O2 $std" $out/main g++ -O2 -std=$std $inc tests/compile_main.cpp
            builds_and_runs "clang++ -O2 $std" $out/main clang++ -O2 -std=$std $inc tests/compile_main.cpp
        done
        for std in c99 c11; do
            builds_and_runs "gcc -O2 $std" $out/main gcc -O2 -std=$std $inc tests/compile_main.c
            builds_and_runs "clang -O2 $std" $out/main clang -O2 -std=$std $inc tests/compile_main.c
        done
    fi
    # the host's side of a .cu file: nvcc reads the implementation before the host's compiler does, and gets the plain pass
    builds_and_runs "nvcc, a .cu file" $out/main nvcc -x cu $inc tests/compile_main.cpp
fi

# -------------------------------------------------------------------------------------------------------------------- bits
# Strict mode gives the same bits whatever compiled it. compile_bits prints a line per instruction set.
if in_group bits; then
    : > $out/bits.txt
    bits() {
        what=$1; runner=$2; shift 2
        rm -f $out/bits
        compiles "bits: $what" "$@" -o $out/bits || return 1
        if $runner $out/bits > $out/run.txt 2>&1 && ! grep -q FAIL $out/run.txt && grep -q '^bits' $out/run.txt; then
            pass
            sed -n "s|^bits \([0-9a-f]*\) \(.*\)|\1 \2, $what|p" $out/run.txt >> $out/bits.txt
        else
            fail "bits: $what does not run: $(grep FAIL $out/run.txt | head -n 2 | tr '\n' ' ')"
        fi
    }
    impl_gcc && bits "gcc -O2" "" gcc $user tests/compile_bits.c $o
    impl fast gcc -Ofast $one && bits "gcc -Ofast, one pass" "" gcc $user -Ofast tests/compile_bits.c $o
    impl_clang && bits "clang" "" clang $user tests/compile_bits.c $o
    impl_cpp && bits "g++" "" g++ $user -x c++ tests/compile_bits.c -x none $o
    bits "tcc" "" tcc $inc tests/compile_bits.c
    if slow; then
        bits "gcc -Ofast" "" gcc -Ofast $native $inc tests/compile_bits.c
        bits "gcc -O0 c11" "" gcc -O0 -std=c11 $inc tests/compile_bits.c
        bits "gcc -O3 c99" "" gcc -O3 -std=c99 $inc tests/compile_bits.c
        bits "gcc -O0 debug" "" gcc -O0 -DTENSORGRAD_DEBUG $inc tests/compile_bits.c
        bits "clang -O0" "" clang -O0 $inc tests/compile_bits.c
        bits "clang -O3 -march=native" "" clang -O3 $native $inc tests/compile_bits.c
    fi
    if have aarch64-linux-gnu-gcc && have qemu-aarch64; then
        impl_arm && bits "aarch64 under qemu" qemu-aarch64 aarch64-linux-gnu-gcc -static $user tests/compile_bits.c $o
    else
        skip "bits: aarch64 needs aarch64-linux-gnu-gcc and qemu-aarch64"
    fi
    if [ "$(cut -d' ' -f1 $out/bits.txt | sort -u | wc -l)" -le 1 ] && [ -s $out/bits.txt ]; then
        pass
    else
        fail "strict mode: not all builds and instruction sets give the same bits"
        sed 's/^/     /' $out/bits.txt
    fi
fi

# ------------------------------------------------------------------------------------------------------------------ object
if in_group object && impl_gcc; then
    # what it asks others for: the C library's memory, text and file calls, threads and the clock
    allowed='^(_GLOBAL_OFFSET_TABLE_|mem(cpy|move|set|cmp|chr)|str(len|cmp|ncmp|chr)|malloc|free|madvise|calloc|realloc|posix_memalign|aligned_alloc'
    allowed="$allowed|open|open64|close|access|stat|stat64|lstat|fwrite|fputs|fputc|fflush|stderr|stdout|read|write|lseek|lseek64|fstat|fstat64|__fxstat|fsync|rename|unlink|ftruncate|mkstemp|getpid|__errno_location"
    allowed="$allowed|pthread_[a-z_]*|sched_yield|sched_getaffinity|sysconf|clock_gettime|gettimeofday|nanosleep|sigfillset|sigemptyset|raise|__stack_chk_fail)\$"
    strange=$(nm -u $o | awk '{ print $NF }' | grep -vE "$allowed" | tr '\n' ' ')
    if [ -z "$strange" ]; then pass; else fail "the object asks for: $strange"; fi
    echo "asks for: $(nm -u $o | awk '{ print $NF }' | tr '\n' ' ')"
    for bad in abort exit _exit printf fprintf snprintf sprintf puts putchar getenv strtod atof sscanf isalpha tolower __ctype_b_loc setlocale signal longjmp __assert_fail; do
        if nm -u $o | awk '{ print $NF }' | grep -qx $bad; then fail "the object calls $bad"; else pass; fi
    done
    # no data that can change, no thread-local data, no constructors
    sections=$(objdump -h $o | awk '$2 ~ /^\.(data|bss|tdata|tbss|init_array|ctors|fini_array)/ && $2 !~ /^\.data\.rel\.ro/ && $3 !~ /^0+$/ { print $2 " " $3 }')
    if [ -z "$sections" ]; then pass; else fail "sections that should be empty: $sections"; nm -S $o | grep -i ' [bBdD] ' | grep -v 'rel.ro' | head -n 8 | sed 's/^/     /'; fi
    names=$(nm -g --defined-only $o | awk '{ print $NF }' | grep -v '^tg_' | tr '\n' ' ')
    if [ -z "$names" ]; then pass; else fail "exported without tg_: $names"; fi
    names=$(nm -g --defined-only $o | awk '{ print $NF }' | grep '^tg__' | tr '\n' ' ')
    if [ -z "$names" ]; then pass; else fail "private names are exported: $names"; fi
    # every declared function is defined, and none that is not declared
    nm -g --defined-only $o | awk '{ print $NF }' | sort -u > $out/defined.txt
    gcc -E -P $inc tests/compile_two.c 2>/dev/null | tr '\n' ' ' | grep -oE 'extern [^;{]*;' | grep -oE '\btg_[a-z0-9_]+ *\(' | tr -d ' (' | sort -u > $out/declared.txt
    missing=$(comm -23 $out/declared.txt $out/defined.txt | tr '\n' ' ')
    if [ -z "$missing" ]; then pass; else fail "declared but not defined: $missing"; fi
    extra=$(comm -13 $out/declared.txt $out/defined.txt | tr '\n' ' ')
    if [ -z "$extra" ]; then pass; else fail "defined but not declared: $extra"; fi
    # links with nothing but the C library
    builds_and_runs "links with -nodefaultlibs -lc -lgcc" $out/main gcc $user -nodefaultlibs tests/compile_main.c $o -lc -lgcc
    # fused multiply-adds only where a formula says so: none in the plain pass even when the machine has them, none in these kernels of the others
    fused() {          # the functions of an object whose name matches and that hold a fused instruction
        objdump -d --no-show-raw-insn "$1" | awk -v want="$2" '/^[0-9a-f]+ <.*>:$/ { name = $2; gsub(/[<>:]/, "", name); on = name ~ want; if (on) seen++ }
            on && /\tvfn?m(add|sub)/ { if (!bad[name]++) print name } END { if (!seen) print "no-function-of-that-name" }'
    }
    unfused='tg_(add|sub|mul|lerp|addcmul|add_scaled|square|div)_v.*__(avx2|avx512)(\.|$)|tg_(square|mul|div|lerp)_d[0-2].*__(avx2|avx512)(\.|$)'
    if [ "$(uname -m)" = x86_64 ]; then
        found=$(fused $o "$unfused" | head -n 8 | tr '\n' ' ')
        if [ -z "$found" ]; then pass; else fail "fused instructions in kernels without FMA ($o): $found"; fi
    fi
    # a kernel leaves no upper halves of registers behind (words, and what returns a vector as they do, are called by kernels alone): scalar code after it, the host's too, would wait for them
    if [ "$(uname -m)" = x86_64 ]; then
        found=$(objdump -d --no-show-raw-insn $o | awk 'function over() { if (returns && wide && !clears && name !~ /tg__w_|tg__rnn_(sigmoid|tanh|state|sum)_/) print name }
            /^[0-9a-f]+ <.*>:$/ { over(); name = $2; wide = returns = clears = 0 } /%[yz]mm/ { wide = 1 } /vzeroupper/ { clears = 1 } /\tret/ { returns = 1 } END { over() }' | sort -u | head -n 8 | tr '\n' ' ')
        if [ -z "$found" ]; then pass; else fail "no vzeroupper in: $found"; fi
    fi
    if slow && compiles "gcc -Ofast -march=haswell object" gcc -std=gnu17 -Ofast -march=haswell $inc -c tests/compile_impl.c -o $out/fast.o; then
        found=$(fused $out/fast.o '__plain(\.|$)' | head -n 8 | tr '\n' ' ')
        if [ -z "$found" ]; then pass; else fail "fused instructions in the plain pass: $found"; fi
        found=$(fused $out/fast.o "$unfused" | head -n 8 | tr '\n' ' ')
        if [ -z "$found" ]; then pass; else fail "fused instructions in kernels without FMA ($out/fast.o): $found"; fi
    fi
    if slow && have clang && compiles "clang -O3 -march=haswell object" clang -std=gnu17 -O3 -march=haswell $inc -c tests/compile_impl.c -o $out/fastc.o; then
        found=$(fused $out/fastc.o '__plain(\.|$)|tg_(add|sub|mul|lerp|square)_v.*__(avx2|avx512)(\.|$)' | head -n 8 | tr '\n' ' ')
        if [ -z "$found" ]; then pass; else fail "clang: fused instructions without FMA: $found"; fi
    fi
    # a flag of clang's that overrides its pragmas: strict mode says so instead of giving other bits
    if slow && have clang && compiles "clang -O2 -ffp-contract=fast" clang -O2 -ffp-contract=fast $inc tests/compile_strict.c -o $out/strict; then
        if grep -qw fma /proc/cpuinfo 2>/dev/null; then says_ok "strict mode is refused where clang fuses everything" $out/strict refused; else skip "strict mode under -ffp-contract=fast: no FMA here"; fi
    fi
    quick "strict mode never fuses" $out/strict -DTENSORGRAD_SOFT_FMA $inc tests/compile_strict.c
    # without an instruction for it and without TENSORGRAD_SOFT_FMA a strict context is refused, and told what to define
    c=gcc; have tcc && c=tcc
    if compiles "$c -DTENSORGRAD_TEACH, strict mode" $c -DTENSORGRAD_TEACH $inc tests/compile_strict.c -o $out/strict; then says_ok "strict mode without a fused multiply-add is refused" $out/strict missing; fi
fi

# ----------------------------------------------------------------------------------------------------------------- hostile
if in_group hostile; then
    # compare NAME COMPILER LANGUAGE PROLOGUE: the macros before and after the include
    compare() {
        what=$1; c=$2; lang=$3; prologue=$4; define=$5
        have $c || { skip "$what: no $c"; return; }
        printf '#include "tests/compile_system.h"\n%s\n' "$prologue" > $out/before.h
        printf '#include "tests/compile_system.h"\n%s\n%s\n#include "tensorgrad.h"\n' "$prologue" "$define" > $out/after.h
        $c -x $lang -I. -E -dM $out/before.h 2>/dev/null | sort > $out/before.txt
        $c -x $lang -I. -E -dM $out/after.h 2>/dev/null | sort > $out/after.txt
        lost=$(comm -23 $out/before.txt $out/after.txt | awk '{ print $2 }' | tr '\n' ' ')
        if [ -z "$lost" ]; then pass; else fail "$what: the host's macros are lost or changed: $lost"; fi
        leaked=$(comm -13 $out/before.txt $out/after.txt | awk '{ print $2 }' | grep -vE '^(TG_|tg_|TENSORGRAD_)' | tr '\n' ' ')
        if [ -z "$leaked" ]; then pass; else fail "$what: leaked macros: $leaked"; fi
    }
    for l in "gcc c" "clang c" "g++ c++" "clang++ c++"; do
        set -- $l
        compare "macros after the declarations, $1" $1 $2 '#include "tests/compile_hostile.h"' ''
        compare "macros after the implementation, $1" $1 $2 '#include "tests/compile_hostile.h"' '#define TENSORGRAD_IMPLEMENTATION'
    done
    # none of the host's macros was ever used: each expands to @host_name@
    for c in gcc g++; do
        have $c || continue
        ext=c; [ $c = g++ ] && ext=cpp
        used=$($c -I. -E tests/compile_hostile.$ext 2>/dev/null | awk '/^# [0-9]+ "/ { line = $2 - 1; file = $3; next } { line++ }
            /@host_/ { s = $0; while (match(s, /@host_[A-Za-z_0-9]+@/)) { k = substr(s, RSTART + 6, RLENGTH - 7) " at " file ":" line; if (!seen[k]++) print k; s = substr(s, RSTART + RLENGTH) } }')
        if [ -z "$used" ]; then pass; else fail "$c: macros of the host were expanded in our text:"; echo "$used" | head -n 12 | sed 's/^/     /'; fi
    done
    host="-Wall -Wextra -Werror $inc -fsyntax-only"
    compiles "hostile prologue, gcc"        gcc $host $few tests/compile_hostile.c
    compiles "hostile names first, clang++" clang++ $host $few tests/compile_early.cpp
    if slow; then
        compiles "hostile prologue, clang"    clang $host tests/compile_hostile.c
        compiles "hostile prologue, g++"      g++ $host tests/compile_hostile.cpp
        compiles "hostile prologue, clang++"  clang++ $host tests/compile_hostile.cpp
        compiles "hostile names first, gcc"   gcc $host tests/compile_early.c
        compiles "hostile names first, clang" clang $host tests/compile_early.c
        compiles "hostile names first, g++"   g++ $host tests/compile_early.cpp
    fi
    compiles "sys/param.h, complex.h, assert.h" gcc $host $few tests/compile_names.c
    quick "hostile names first" $out/hostile $inc tests/compile_early.c
    quick "a hostile program" $out/hostile $inc tests/compile_hostile.c
    slow && builds_and_runs "sys/param.h, complex.h, assert.h, run" $out/hostile gcc -DTENSORGRAD_TEACH -O1 $inc tests/compile_names.c
fi

# --------------------------------------------------------------------------------------------------------------------- two
if in_group two; then
    two() {          # NAME LINKER FIRST SECOND: two objects that make a program
        what=$1 ld=$2; shift 2
        have $ld || { skip "$what: no $ld"; return; }
        builds_and_runs "$what" $out/one_two $ld "$@"
    }
    # one implementation, users in C and C++, by several compilers
    if impl_gcc && compiles "two: first in C" gcc $user -c tests/compile_one.c -o $out/one.o; then
        compiles "two: second in C" clang $user -c tests/compile_two.c -o $out/two.o && two "implementation and users in C, gcc and clang" gcc $out/one.o $out/two.o $o
        compiles "two: second in C++" g++ $user -c tests/compile_two.cpp -o $out/two.o && two "implementation in C, user in C++" g++ $out/one.o $out/two.o $o
        if impl_cpp && compiles "two: second in C" gcc $user -c tests/compile_two.c -o $out/two.o; then
            two "implementation in C++, users in C" g++ $out/one.o $out/two.o $o
            names=$(nm -gC --defined-only $o | grep -vE ' (tg_|[a-z ]+ \*?tg__address|tg__address|.*tg__options|DW\.ref)' | awk '{ print $NF }' | head -n 5 | tr '\n' ' ')
            if [ -z "$names" ]; then pass; else fail "C++: exported without tg_: $names"; fi
        fi
    fi
    # two implementations, each for its own file; clang at -O0 drops what nobody calls before it makes code
    c=clang cpp=clang++; have clang++ || { c=gcc; cpp=g++; }
    level="-O0 $few"; slow && level=-O1
    compiles "static: first in C" $c $level -Wall -Wextra -Werror $inc -DTENSORGRAD_STATIC -c tests/compile_one.c -o $out/one.o &&
        compiles "static: second in C++" $cpp $level -Wall -Wextra -Werror $inc -DTENSORGRAD_STATIC -c tests/compile_two.cpp -o $out/two.o && two "static twice, C and C++" $cpp $out/one.o $out/two.o
    if slow; then
        compiles "static: first in C++" g++ -O1 $inc -DTENSORGRAD_STATIC -c tests/compile_one.cpp -o $out/one.o &&
            compiles "static: second in C" gcc -O1 $inc -DTENSORGRAD_STATIC -c tests/compile_two.c -o $out/two.o && two "static twice, C++ and C, gcc" g++ $out/one.o $out/two.o
    fi
    # static: unused operations leave no symbol
    left=$(nm $out/two.o 2>/dev/null | awk '{ print $NF }' | grep -E '^tg_(conv2d_from|sort|erf|safetensors_load)|^tg__.*(conv|sort|npy)' | head -n 8 | tr '\n' ' ')
    if [ -z "$left" ]; then pass; else fail "TENSORGRAD_STATIC keeps operations that nobody calls: $left"; fi
fi

# ------------------------------------------------------------------------------------------------------------------ plugin
if in_group plugin; then
    if [ "$(uname -s)" = Linux ]; then
        if compiles "plugin" gcc -O1 -shared -fPIC $few $inc tests/compile_plugin.c -o $out/plugin.so && compiles "plugin's host" gcc -O1 tests/compile_host.c -o $out/host -ldl; then
            says_ok "a plugin loaded and unloaded 1,000 times" $out/host $out/plugin.so 1000 && cat $out/run.txt
            names=$(nm -D --defined-only $out/plugin.so | awk '{ print $NF }' | grep -v '^plugin_run$' | tr '\n' ' ')
            if [ -z "$names" ]; then pass; else fail "the plugin exports: $names"; fi
        fi
    else
        skip "plugin: this test is for Linux"
    fi
fi

# ------------------------------------------------------------------------------------------------------------------- fiber
if in_group fiber; then
    if [ "$(uname -s)" = Linux ]; then
        if impl_gcc && compiles "fiber" gcc $user tests/compile_fiber.c $o -o $out/fiber; then
            for isa in 0 1 2; do
                if $out/fiber $isa > $out/fiber_$isa.txt 2>&1; then pass; else fail "16 KB of stack, instruction set $isa"; fi
                grep -E 'pass:|stack|FAIL|skip' $out/fiber_$isa.txt
            done
        fi
    else
        skip "fiber: this test is for Linux"
    fi
fi

# ------------------------------------------------------------------------------------------------------------------- cross
if in_group cross; then
    if have x86_64-w64-mingw32-gcc; then
        compiles "mingw, warnings" x86_64-w64-mingw32-gcc -std=c99 -flarge-source-files $warn $inc -fsyntax-only tests/compile_impl.c
        slow && compiles "mingw gnu17, warnings" x86_64-w64-mingw32-gcc -std=gnu17 $warn $inc -fsyntax-only tests/compile_impl.c
        level=-O2; slow || level="-O0 $few"
        if compiles "mingw" x86_64-w64-mingw32-gcc $level $inc tests/compile_main.c -o $out/main.exe; then
            imports=$(x86_64-w64-mingw32-objdump -p $out/main.exe 2>/dev/null | sed -n 's/.*DLL Name: *//p' | tr '\n' ' ')
            case $imports in *pthread*|*libgcc*) fail "mingw: the program needs $imports";; *) pass;; esac
            if slow; then
                w=; have wine && w=wine; [ -x /usr/lib/wine/wine64 ] && w=/usr/lib/wine/wine64; have wine64 && w=wine64
                if [ -z "$w" ]; then skip "mingw: no wine"
                elif WINEPREFIX="$PWD/$out/wine" WINEDEBUG=-all timeout 120 $w cmd /c exit 0 >/dev/null 2>&1; then
                    WINEPREFIX="$PWD/$out/wine" WINEDEBUG=-all timeout 120 $w $out/main.exe 2>/dev/null | tr -d '\r' > $out/wine.txt
                    says_ok "mingw under wine" cat $out/wine.txt
                else skip "mingw: wine does not start here"
                fi
            fi
        fi
    else
        skip "no x86_64-w64-mingw32-gcc"
    fi
    # MSVC is not to be had here; clang reads what the header shows to it, over mingw's system headers
    if have clang && have x86_64-w64-mingw32-gcc; then
        compiles "MSVC's branches" clang --target=x86_64-w64-mingw32 -fdeclspec -march=sapphirerapids -Wall -Wextra -Werror -Wno-unused-function $inc -fsyntax-only tests/compile_msvc.c
        compiles "clang-cl's branches" clang --target=x86_64-w64-mingw32 -fdeclspec -march=sapphirerapids -Wall -Wextra -Werror -Wno-unused-function -DCOMPILE_CLANG_CL $inc -fsyntax-only tests/compile_msvc.c
    else
        skip "MSVC's branches: no clang or no headers of mingw"
    fi
    if have aarch64-linux-gnu-gcc; then
        compiles "aarch64 c99, warnings" aarch64-linux-gnu-gcc -std=c99 -flarge-source-files $warn $inc -fsyntax-only tests/compile_impl.c
        if impl_arm && compiles "aarch64" aarch64-linux-gnu-gcc -static $user tests/compile_main.c $o -o $out/main_arm; then
            if have qemu-aarch64; then says_ok "aarch64 under qemu" qemu-aarch64 $out/main_arm; else skip "aarch64: no qemu-aarch64"; fi
        fi
    else
        skip "no aarch64-linux-gnu-gcc"
    fi
    if have clang && clang --print-targets 2>/dev/null | grep -q wasm32; then
        compiles "wasm32, declarations" clang --target=wasm32 -std=c99 $warn $inc -ffreestanding -fsyntax-only tests/compile_decl.c
    else
        skip "clang without wasm32"
    fi
fi

echo "compile: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
