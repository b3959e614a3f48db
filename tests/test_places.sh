#!/bin/sh
# The part `places`: the list of place macros in tensorgrad.h is what tools/places.c writes, and that tool sees what a compiler sees: every declared function with a tensor, a list, a
# function call, a dict or a context among its parameters has a line, or is named in the tool as one that needs none. The tool itself is tried on copies that are out of date.
# What the macros do when a program runs, in every language level and with every compiler, is in tests/places_lines.h.
cd "$(dirname "$0")/.." || exit 2
out=build/places
mkdir -p $out
passed=0 failed=0 skipped=0
pass() { passed=$((passed + 1)); }
fail() { failed=$((failed + 1)); echo "FAIL places: $1"; }
end() { echo "places: $passed passed, $failed failed, $skipped skipped"; [ "$failed" -eq 0 ]; exit $?; }
cc=${CC:-cc}
$cc -Wall -Wextra tools/places.c -o $out/places || { fail "tools/places.c does not compile"; end; }
tool=$out/places

if $tool --check tensorgrad.h > $out/check.txt 2>&1; then pass; else fail "the list is out of date: cc tools/places.c -o places && ./places tensorgrad.h"; head -n 20 $out/check.txt; fi

# PART I's rule: a comment at the margin opens a group, so an empty line, a directive, a closing or another comment stands before it; one that is squeezed in between could belong to either side
squeezed=$(awk '/^   >>context/ { on = 1 } /^   >>places/ { exit } on && /^\/\*/ && last ~ /;( *\/\*.*\*\/)?$/ { printf "%d ", NR } { last = $0 }' tensorgrad.h)
if [ -z "$squeezed" ]; then pass; else fail "comments between two declarations, in lines $squeezed"; fi

# what a compiler sees
printf '#include "tensorgrad.h"\n' > $out/in.c
$cc -E -P -I. -DTENSORGRAD_NO_LINES $out/in.c 2>/dev/null | tr '\n' ' ' | tr ';{}' '\n\n\n' |
    sed -n 's/^ *extern  *\([^()]*[ *]\)\(tg_[a-z0-9_]*\) *(\(.*\)) *$/\2|\3/p' |
    awk -F'|' '$2 ~ /(tg_tensor|tg_ctx|tg_dict|tg_function_call) *\*( *const *\*)? *[a-z]/ { print $1 }' | sort -u > $out/declared.txt
$cc -E -dM -I. $out/in.c 2>/dev/null | sed -n 's/^#define \(tg_[a-z0-9_]*\)(.*TG__\(AT\|PLACED\).*/\1/p' | sort -u > $out/listed.txt
$tool --without tensorgrad.h | sort -u > $out/without.txt
total=$(wc -l < $out/declared.txt)
[ "$total" -gt 250 ] && pass || fail "only $total functions were found in the declarations; is this test still right?"
while read -r name; do
    if grep -qx "$name" $out/without.txt; then
        if grep -qx "$name" $out/listed.txt; then fail "$name is in the list, and among those without a place"; else pass; fi
    elif grep -qx "$name" $out/listed.txt; then pass; else fail "$name has no line in the list"; fi
done < $out/declared.txt

# the tool finds what changed, and mends it
changed() {                                                     # what, the sed script, a line that must stand there afterwards
    sed "$2" tensorgrad.h > $out/copy.h
    cmp -s tensorgrad.h $out/copy.h && { fail "$1: the copy is no other"; return; }
    $tool --check $out/copy.h > $out/copy.txt 2>&1 && { fail "$1: --check does not see it"; return; }
    $tool $out/copy.h > $out/copy.txt 2>&1 || { fail "$1: the tool fails"; head -n 3 $out/copy.txt; return; }
    grep -qxF "$3" $out/copy.h || { fail "$1: there is no line '$3'"; return; }
    $tool --check $out/copy.h > /dev/null 2>&1 && pass || fail "$1: what the tool wrote is out of date"
}
changed "a line is missing"          '/^#define tg_matmul(a, b)/d' '#define tg_matmul(a, b) tg_matmul(TG__AT(a), TG__AT(b))'
changed "a parameter has a new name" 's/^\(TG_API tg_tensor \*tg_softmax(tg_tensor \*\)x, int64_t dim)/\1logits, int64_t along)/' '#define tg_softmax(logits, along) tg_softmax(TG__AT(logits), along)'
changed "a new prototype"            's/^\(TG_API tg_tensor \*tg_softmax(.*\)/TG_API tg_tensor *tg_new_one(tg_tensor *x,\n    int ndim, const int64_t *shape, tg_tensor *y);\n\1/' '#define tg_new_one(x, ...) tg_new_one(TG__AT(x), __VA_ARGS__)'
changed "a new list"                 's/^\(TG_API tg_tensor \*tg_softmax(.*\)/TG_API void tg_new_list(tg_tensor *const *list, int n);\n\1/' '    tg_new_list(tg__at_list(list, n, file, line), n); }'
changed "a new row"                  's/^\(TG_F1P(tg_elu, .*\)/TG_F2P(tg_new_row, N2(one, two), SAME, NEED(NONE, NONE), a, g, g, REAL, "")\n\1/' '#define tg_new_row_(a, b, one, two) tg_new_row_(TG__AT(a), TG__AT(b), one, two)'
sed 's/tg_is_contiguous/tg_is_otherwise/' tensorgrad.h > $out/copy.h
$tool --check $out/copy.h > $out/copy.txt 2>&1; grep -q 'no such function.*tg_is_contiguous' $out/copy.txt && pass || fail "an exception that is no function any more is not seen"

# a running program, in every language level
lines() {
    command -v "$1" >/dev/null 2>&1 || { skipped=$((skipped + 1)); echo "skip places: no $1"; return; }
    compiler=$1 std=$2 ext=$3
    printf '#include "../../tests/places_lines.h"\n' > $out/lines.$ext
    if $compiler -std=$std -I. -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -c $out/lines.$ext -o $out/lines.o 2> $out/lines.txt &&
       $compiler $out/lines.o $out/impl.o -o $out/lines 2>> $out/lines.txt && $out/lines > $out/lines.txt 2>&1; then pass
    else fail "$compiler -std=$std"; head -n 10 $out/lines.txt; fi
}
printf '#define TENSORGRAD_IMPLEMENTATION\n#include "tensorgrad.h"\n' > $out/impl.c
if $cc -O0 -DTENSORGRAD_TEACH -I. -c $out/impl.c -o $out/impl.o; then
    for c in gcc clang; do for std in c99 c11 c17; do lines $c $std c; done; done
    for c in g++ clang++; do for std in c++11 c++17 c++20; do lines $c $std cpp; done; done
else fail "the implementation does not compile"; fi
end
