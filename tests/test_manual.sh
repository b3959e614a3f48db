#!/bin/sh
# Every code block of the manual (the header's top comment) compiles and prints what it says. Lines with | are code, lines with > the output that must
# come. A block without main is put into one, with a context `tg` that is open. They are linked with the object that the tests share.
# And every public function has its line of documentation.
# usage: tests/test_manual.sh, from the repository root
cd "$(dirname "$0")/.." || exit 2
. tests/objects.sh
shared_object || { echo "FAIL the implementation does not compile"; echo "manual: 0 passed, 1 failed, 0 skipped"; exit 1; }
limit=; [ -n "$TG_TEST_ISA" ] && limit="-include $PWD/tests/isa.h"
dir=build/manual
rm -rf "$dir"; mkdir -p "$dir"
awk -v dir="$dir" '
    /^\*\/|^#if/ { exit }
    /^   \|/ { if (!in_code) { n++; in_code = 1; code = dir "/" n ".c.in"; want = dir "/" n ".want"; printf "" > code; printf "" > want }
               line = $0; sub(/^   \|( ( )?)?/, "", line); print line > code; next }
    /^   >( |$)/ { in_code = 0; line = $0; sub(/^   >( ( )?)?/, "", line); print line > want; next }
    { in_code = 0 }
    END { print n > (dir "/count") }' tensorgrad.h
passed=0 failed=0
# Every prototype of the declarations is told about: behind it, below it, indented, or below the macro that takes its options; below several of the same name but for a digit; and, outside of >>ops,
# where paragraphs open whole groups, also above it with no empty line between.
untold() {
awk '
    /^   >>/ { chapter = $1 }
    chapter == ">>places" { exit }
    function kind(f) { sub(/_from$/, "", f); gsub(/[0-9]/, "", f); return f }
    function settle(said,   i) { for (i = 1; i <= n; i++) if (!said) print chapter, names[i]; n = 0 }
    /^$/ { if (n) settle(above); above = 0 }
    chapter != ">>ops" && /\*\/ *$/ && !n { above = 1 }
    /^TG_API / && !open {
        f = $0; sub(/\(.*/, "", f); sub(/.*[ *]/, "", f)
        if (n && kind(names[n]) != kind(f)) settle(above)
        names[++n] = f; open = 1
    }
    open { if ($0 ~ /\/\*/) said = 1; if ($0 ~ /;/) { open = 0; if (said) settle(1); said = 0 } next }
    n && /^ +\/\*/ { settle(1); next }
    n && (/^#define tg_/ || /^ +TG__OPTIONS/) { if ($0 ~ /\/\*/) settle(1); next }
    n { settle(above) }
    END { settle(above) }
    ' "$1"
}
untold tensorgrad.h > "$dir/untold.txt"
if [ -s "$dir/untold.txt" ]; then failed=$((failed + 1)); echo "FAIL manual: nothing is said about" $(cut -c1-60 "$dir/untold.txt"); else passed=$((passed + 1)); fi
sed 's|^\(TG_API tg_tensor .tg_softsign(tg_tensor .x);\).*|\1|' tensorgrad.h > "$dir/one_less.h"
if [ "$(untold "$dir/one_less.h")" = ">>ops tg_softsign" ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL manual: a prototype without a word is not found"; fi
for i in $(seq 1 "$(cat "$dir/count")"); do
    if grep -q 'int main' "$dir/$i.c.in"; then sed 's/^#define TENSORGRAD_IMPLEMENTATION$//' "$dir/$i.c.in" > "$dir/manual.c"
    else
        { echo; echo '#include "tensorgrad.h"'; echo '#include <stdio.h>'; echo 'int main(void) {'; echo '    tg_ctx *tg = tg_open(NULL);'
          sed 's/^/    /' "$dir/$i.c.in"; echo '    tg_close(tg);'; echo '    return 0;'; echo '}'; } > "$dir/manual.c"
    fi
    if (cd "$dir" && $CC -std=c99 -Wall -Wextra -Wpedantic -Werror -I "$OLDPWD" $limit manual.c "$OLDPWD/$object" -o "block$i") 2> "$dir/$i.err" &&
       "$dir/block$i" > "$dir/$i.got" 2> /dev/null && cmp -s "$dir/$i.got" "$dir/$i.want"; then passed=$((passed + 1))
    else
        failed=$((failed + 1)); echo "FAIL manual block $i"; head -n 5 "$dir/$i.err"; diff "$dir/$i.want" "$dir/$i.got"
    fi
done
echo "manual: $passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
