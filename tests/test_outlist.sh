#!/bin/sh
# Every function of the declarations that writes through a pointer has a row in tests/test_outputs.c, and there is no row for a function that does not; every one that takes tensors has a row
# in tests/test_opaque.c, with a letter for each, but for those of the formula table, which that test expands. tools/places.c reads the prototypes and the option structs.
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
{ grep -o '[TBV](tg_[a-z0-9_]*, "[a-zA-Z]*"' tests/test_opaque.c | sed 's/^..\(.*\), "\(.*\)"/\1 \2/'; grep -o '[NX](tg_[a-z0-9_]*[,)]' tests/test_opaque.c | sed 's/^..\(.*\)[,)]/\1 x/'; } > $out/letters.txt
[ "$(wc -l < $out/takes.txt)" -ge 100 ] && passed=$((passed + 1)) || { failed=$((failed + 1)); echo "FAIL outlist: only $(wc -l < $out/takes.txt) functions that take tensors were found"; }
# chapters made of other functions, which have rows themselves, may wait for theirs: named here, here those of searching, of windows, of heads and of quantised numbers
awk '/^   >>[a-z-]+ / { made = $1 ~ /^>>impl-(search|window|heads|quant)$/ } made && /^(TG_API|TG__MADE|TG__ADDS|TG__INPLACE)/ { s = $0; if (s ~ /^TG__/) { sub(/^TG__[A-Z]*\(/, "tg_", s); sub(/,.*/, "", s); print s "_" } else { sub(/^TG_API [a-z_0-9]+ \**\(*/, "", s); sub(/[)(].*/, "", s) } print s }' tensorgrad.h > $out/made.txt
while read -r name n; do
    if grep -qx -- "$name" $out/made.txt; then continue; fi
    if awk -v name="$name" -v n="$n" '$1 == name && length($2) >= n { ok = 1 } END { exit !ok }' $out/letters.txt; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL outlist: $name takes $n tensors and has no row in tests/test_opaque.c with as many letters"; fi
done < $out/takes.txt
echo "outlist: $passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
