#!/bin/sh
# Every function of the declarations that writes through a pointer has a row in tests/test_outputs.c, and there is no row for a function that does not; every one that takes tensors has a row
# in tests/calls.h, with a letter for each, but for those of the formula table, which that list expands. tools/places.c reads the prototypes and the option structs.
cd "$(dirname "$0")/.." || exit 2
out=build/outlist
mkdir -p $out
passed=0 failed=0
${CC:-cc} tools/places.c -o $out/places && $out/places --outputs tensorgrad.h | awk '{ print $1 }' | sort -u > $out/have.txt
sed -n -e 's/^ROW(\([a-z0-9_]*\)).*/\1/p' -e 's/^TEXT(\([a-z0-9_]*\),.*/\1/p' tests/test_outputs.c | sort -u > $out/rows.txt
grep -o '[{, ]R(tg_[a-z0-9_]*)' tests/test_outputs.c | sed 's/.*(\(.*\))/\1/' | sort -u > $out/run.txt
[ "$(wc -l < $out/have.txt)" -ge 15 ] && passed=$((passed + 1)) || { failed=$((failed + 1)); echo "FAIL outlist: only $(wc -l < $out/have.txt) functions with outputs were found"; }
for name in $(cat $out/have.txt); do
    if grep -qx "$name" $out/rows.txt && grep -qx "$name" $out/run.txt; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL outlist: $name writes through a pointer and has no row in tests/test_outputs.c"; fi
done
for name in $(cat $out/rows.txt); do
    if grep -qx "$name" $out/have.txt; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL outlist: tests/test_outputs.c has a row for $name, which is no function with an output"; fi
done
$out/places --operands tensorgrad.h | awk '{ print $1, NF - 1 }' > $out/takes.txt
{ grep -o '[TBV](tg_[a-z0-9_]*, "[a-zA-Z]*"' tests/calls.h | sed 's/^..\(.*\), "\(.*\)"/\1 \2/'; grep -o '[NX](tg_[a-z0-9_]*[,)]' tests/calls.h | sed 's/^..\(.*\)[,)]/\1 x/'; } > $out/letters.txt
[ "$(wc -l < $out/takes.txt)" -ge 100 ] && passed=$((passed + 1)) || { failed=$((failed + 1)); echo "FAIL outlist: only $(wc -l < $out/takes.txt) functions that take tensors were found"; }
while read -r name n; do
    if awk -v name="$name" -v n="$n" '$1 == name && length($2) >= n { ok = 1 } END { exit !ok }' $out/letters.txt; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL outlist: $name takes $n tensors and has no row in tests/calls.h with as many letters"; fi
done < $out/takes.txt
echo "outlist: $passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
