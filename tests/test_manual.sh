#!/bin/sh
# Every code block of the manual (the header's top comment) compiles and prints what it says. Lines with | are code, lines with > the output that must
# come. A block without main is put into one, with a context `tg` that is open. They are linked with the object that the tests share.
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
