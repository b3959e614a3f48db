#!/bin/sh
# No program that people copy reads w->grad, which crashes after an error; and README's table of operations says what the header has: it is made from the header and compared here. Run from the repository root.
#   sh tests/run.sh readme          compares
#   sh tests/test_readme.sh print   prints the table, to be pasted between README's two marks
table() {
awk '
    function flush_group() { if (group != "" && names != "") printf "| %s | %s |\n", group, names; names = "" }
    BEGIN { print "| group | functions |"; print "| --- | --- |" }
    /^#define TG_FORMULAS/ { in_table = 1; group = "elementwise (each also in place, `tg_name_`)"; next }
    in_table && /^  F[123]P?\(tg_/ { n = $0; sub(/^  F[123]P?\(tg_/, "", n); sub(/[ ,].*/, "", n); names = names (names == "" ? "" : ", ") n; next }
    in_table && !/\\$/ { in_table = 0; flush_group(); group = "" }
    /^   >>ops / { in_ops = 1; next }
    in_ops && /operations of your own/ { flush_group(); in_ops = 0; exit }
    in_ops && /^\/\* [A-Z][a-z, ]*\./ { flush_group(); g = $0; sub(/^\/\* /, "", g); sub(/\..*/, "", g); group = tolower(g) }
    in_ops && /^TG_API tg_tensor/ { n = $0; sub(/^TG_API tg_tensor \*tg_/, "", n); sub(/\(.*/, "", n); sub(/_from$/, "", n); names = names (names == "" ? "" : ", ") n }
' tensorgrad.h
}
if [ "${1:-}" = print ]; then table; exit; fi
build=${BUILD:-build}; mkdir -p "$build"
table > "$build/readme.want"
sed -n '/<!-- operations -->/,/<!-- end of operations -->/p' README.md | grep '^|' > "$build/readme.got"
for f in README.md examples/*.c; do grep -n -e '->grad\b' "$f" && { echo "FAIL readme: $f reads ->grad; tg_grad_of survives a failed call"; echo "readme: 0 passed, 1 failed, 0 skipped"; exit 1; }; done
if [ -s "$build/readme.want" ] && cmp -s "$build/readme.want" "$build/readme.got"; then echo "readme: 1 passed, 0 failed, 0 skipped"; exit 0; fi
diff "$build/readme.want" "$build/readme.got" | head -n 10
echo "readme: 0 passed, 1 failed, 0 skipped"
exit 1
