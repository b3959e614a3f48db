#!/bin/sh
# README: no program that people copy reads w->grad, which crashes after an error; its table of operations says what the header has (it is made from the header and compared here), the one of what each can says what tools/table.c finds, its program prints what it says, its compile lines work.
#   sh tests/run.sh readme          compares
#   sh tests/test_readme.sh print   prints the table, to be pasted between README's two marks
table() {
awk '
    function flush_group() { if (group != "" && names != "") printf "| %s | %s |\n", group, names; names = "" }
    BEGIN { print "| group | functions |"; print "| --- | --- |" }
    /^TG_[FW][123]P?\(tg_/ { group = "elementwise (each also in place, `tg_name_`)"; n = $0; sub(/^TG_[FW][123]P?\(tg_/, "", n); sub(/[ ,].*/, "", n); names = names (names == "" ? "" : ", ") n }
    /^#undef TG_F1$/ { flush_group(); group = "" }
    /^   >>ops / { in_ops = 1; next }
    in_ops && /operations of your own/ { flush_group(); in_ops = 0; exit }
    in_ops && /^\/\* [A-Z][a-z, ]*\./ { flush_group(); g = $0; sub(/^\/\* /, "", g); sub(/\..*/, "", g); group = tolower(g) }
    in_ops && /^TG_API (tg_tensor|int|bool) / { n = $0; sub(/^TG_API [a-z_]+ \*?tg_/, "", n); sub(/\(.*/, "", n); sub(/_from$/, "", n); names = names (names == "" ? "" : ", ") n }
' tensorgrad.h
}
if [ "${1:-}" = print ]; then table; exit; fi
cd "$(dirname "$0")/.." || exit 2
. tests/objects.sh
passed=0 failed=0 skipped=0
pass() { passed=$((passed + 1)); }
fail() { failed=$((failed + 1)); echo "FAIL $1"; }
work=build/readme
mkdir -p "$work"
table > "$work/table.want"
sed -n '/<!-- operations -->/,/<!-- end of operations -->/p' README.md | grep '^|' > "$work/table.got"
if [ -s "$work/table.want" ] && cmp -s "$work/table.want" "$work/table.got"; then pass; else fail "README's table of operations"; diff "$work/table.want" "$work/table.got" | head -n 10; fi

# What each function can, found out by running it: README has the tool's output
if shared_object && build_once "$work/table" "tools/table.c tests/calls.h tests/torch_names.h tests/test.h $object" $CC $TG_CFLAGS -Wall -Wextra -DTG__IMPLEMENTATION_DONE ${TG_TEST_ISA:+-include tests/isa.h} tools/table.c "$object" -lm -lpthread &&
   [ ! -s "$work/table.txt" ] && "$work/table" --short tensorgrad.h > "$work/short.want" 2> "$work/short.said" && [ ! -s "$work/short.said" ]; then pass; else fail "tools/table.c"; head -n 5 "$work/table.txt" "$work/short.said"; fi
sed -n '/<!-- table -->/,/<!-- end of table -->/p' README.md | sed '1d;$d' > "$work/short.got"
if [ -s "$work/short.want" ] && cmp -s "$work/short.want" "$work/short.got"; then pass; else fail "README's table of what each function can is not the output of tools/table.c"; diff "$work/short.want" "$work/short.got" | head -n 10; fi

for f in README.md examples/*.c; do if grep -n -e '->grad\b' "$f"; then fail "$f reads ->grad; tg_grad_of survives a failed call"; else pass; fi; done

# The program at the top, and the lines of "Compiling it once", as they stand there: cc is $CC, and the object has its place in build/
limit=; [ -n "$TG_TEST_ISA" ] && limit="-include tests/isa.h"
sed -n '/^```c$/,/^```$/p' README.md | sed '1d; /^```$/,$d' > "$work/whole.c"
prints=$(sed -n 's/^It prints `\(.*\)`\.$/\1/p' README.md)
if [ "$(head -n 1 "$work/whole.c")" = "#define TENSORGRAD_IMPLEMENTATION" ] && [ -n "$prints" ]; then pass; else fail "README has no program at its top, or does not say what it prints"; fi
sed 1d "$work/whole.c" > "$work/app.c"
sed -n '/^## Compiling it once/,/^## [^C]/p' README.md | sed -n 's/^    cc //p' > "$work/lines.txt"
if [ "$(wc -l < "$work/lines.txt")" -eq 3 ]; then pass; else fail "README's three lines of compiling it once"; fi
while read -r line; do
    case $line in
        *' -c -x c -DTENSORGRAD_IMPLEMENTATION tensorgrad.h -o tensorgrad.o')
            flags=${line%% -c -x c *}
            [ -z "$TG_TEST_ISA" ] || flags=$(echo "$flags" | sed 's/-march=native/-march=x86-64/')
            if object "$(object_name $CC $flags)" $CC $flags && [ ! -s "$object.txt" ]; then pass; else fail "cc $line"; head -n 5 "$object.txt"; fi;;
        'app.c tensorgrad.o -o app && ./app') ;;
        *) fail "README: what is this line? cc $line";;
    esac
    if $CC $limit -I. "$work/app.c" "$object" -o "$work/app" 2>"$work/log.txt" && [ ! -s "$work/log.txt" ] && [ "$("$work/app")" = "$prints" ]; then pass
    else fail "README's program with the object of: cc $line"; head -n 5 "$work/log.txt"; fi
done < "$work/lines.txt"
if have tcc; then
    if [ "$(tcc -I. -run "$work/whole.c")" = "$prints" ]; then pass; else fail "tcc -run of README's program"; fi
fi
# PORTING.md: its program in C, and every function that its table names
sed -n '/^```c$/,/^```$/p' PORTING.md | sed '1d; /^```$/d' | sed 1d > "$work/port.c"
prints=$(sed -n 's/^It prints `\(.*\)`, as.*$/\1/p' PORTING.md)
if shared_object && $CC $limit -Wall -Wextra -I. "$work/port.c" "$object" -o "$work/port" 2>"$work/log.txt" && [ ! -s "$work/log.txt" ] && [ -n "$prints" ] && [ "$("$work/port")" = "$prints" ]; then pass; else fail "PORTING.md's program"; head -n 5 "$work/log.txt"; fi
# and that in C++11, by C++11 and C++17, with the object that C made
sed -n '/^```cpp$/,/^```$/p' PORTING.md | sed '1d; /^```$/d' > "$work/port.cpp"
prints=$(sed -n 's/^It prints `\(.*\)` as well.*$/\1/p' PORTING.md)
for cpp in 'g++ -std=c++11' 'clang++ -std=c++11' 'g++ -std=c++17'; do
    have ${cpp%% *} || { skipped=$((skipped + 1)); echo "skip PORTING.md's program by $cpp"; continue; }
    if $cpp $limit -Wall -Wextra -Wpedantic -I. "$work/port.cpp" "$object" -o "$work/port" -lpthread 2>"$work/log.txt" && [ ! -s "$work/log.txt" ] && [ -n "$prints" ] && [ "$("$work/port")" = "$prints" ]; then pass
    else fail "PORTING.md's program by $cpp"; head -n 5 "$work/log.txt"; fi
done
for name in $(grep '^|' PORTING.md | grep -o 'tg_[a-z_0-9]*(' | grep -v 'tg_f(' | sort -u); do
    if grep -q "[ *(]${name%(}[(,)_]" tensorgrad.h; then pass; else fail "PORTING.md names ${name%(}, which is not there"; fi
done
echo "readme: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
