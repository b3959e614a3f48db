#!/bin/sh
# The copyable parts, tools/tg_*.h: each compiles silently as C99 and as C++11, by itself and beside a second file that only declares, uses no private name of tensorgrad.h, and exports names of its own alone.
cd "$(dirname "$0")/.." || exit 2
dir=build/tools_h
mkdir -p $dir
passed=0 failed=0 skipped=0
flags='-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror'
ok() { if [ "$1" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL tools: $2"; fi; }
for header in tools/tg_*.h; do
    name=$(basename "$header" .h)
    upper=$(echo "$name" | tr a-z A-Z)
    printf '#define %s_IMPLEMENTATION\n#include "tensorgrad.h"\n#include "%s"\n#include "%s"\n' "$upper" "$header" "$header" > $dir/$name.c
    cp $dir/$name.c $dir/$name.cpp
    printf '#include "%s"\nint main(void) { return 0; }\n' "$header" > $dir/${name}_alone.c
    for compiler in 'gcc -std=c99 -O2' 'clang -std=c99 -O1' 'g++ -std=c++11' 'clang++ -std=c++11'; do
        command -v ${compiler%% *} >/dev/null 2>&1 || { skipped=$((skipped + 1)); continue; }
        case $compiler in *++*) file=$dir/$name.cpp;; *) file=$dir/$name.c;; esac
        $compiler $flags -I. -c $file -o $dir/$name.o > $dir/$name.txt 2>&1
        ok $? "$header with $compiler: $(head -n 3 $dir/$name.txt)"
    done
    ${CC:-cc} -std=c99 $flags -I. -c $dir/${name}_alone.c -o $dir/${name}_alone.o > $dir/$name.txt 2>&1
    ok $? "$header alone: $(head -n 3 $dir/$name.txt)"
    private=$(sed -e 's/"[^"]*"//g' "$header" | grep -o -w 'tg__[a-z0-9_]*\|TG__[A-Z0-9_]*' | grep -v -x tg__node | sort -u | head -n 3)   # tg__node: an operation of one's own is written with it
    [ -z "$private" ]; ok $? "$header uses private names: $private"
    if command -v nm >/dev/null 2>&1; then
        ${CC:-cc} -I. -c $dir/$name.c -o $dir/$name.o
        bad=$(nm $dir/$name.o | awk '$2 ~ /^[TDBC]$/ && $3 !~ /^_?tg_/ { print $3 }' | head -n 3)
        [ -z "$bad" ]; ok $? "$header exports $bad"
    else skipped=$((skipped + 1)); fi
done
echo "tools: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
