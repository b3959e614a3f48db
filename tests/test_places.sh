#!/bin/sh
# The part `places`: every declared function that takes a tensor, a list of tensors, a function call or a context first has its line in the list of place macros, which notes the
# caller's file and line; the exceptions below compute nothing, or cannot fail, or are the machinery itself. And every line of the list fits its function: it hands on
# its parameters in order, all of them, the first one noted.
cd "$(dirname "$0")/.." || exit 2
out=build/places
mkdir -p $out
passed=0 failed=0
pass() { passed=$((passed + 1)); }
fail() { failed=$((failed + 1)); echo "FAIL $1"; }
cc=${CC:-cc}
printf '#include "tensorgrad.h"\n' > $out/in.c

# opening, asking, scopes, memory, switches: no place needed
without='tg_close tg_isa_used tg_isa_name tg_failed tg_error tg_error_number tg_error_text tg_clear tg_traceback tg_say tg_threads_used tg_seconds tg_seed tg_stream
    tg_random_get tg_random_set tg_begin tg_end tg_end_with tg_memory tg_trim tg_path_begin tg_path_end tg_is_contiguous tg_grad_mode tg_anomaly tg_tape tg_tape_text tg_tape_dot'

# name and number of parameters of each such function
$cc -E -P -I. -DTENSORGRAD_NO_LINES $out/in.c 2>/dev/null | tr '\n' ' ' | tr ';{}' '\n\n\n' |
    sed -n 's/^ *extern  *\([^()]*[ *]\)\(tg_[a-z0-9_]*\) *(\(.*\)) *$/\2|\3/p' |
    awk -F'|' '$2 ~ /^ *(tg_tensor \*|tg_ctx \*|tg_tensor \*const \*|const tg_function_call \*)[a-z]/ { n = 1; d = 0; for (i = 1; i <= length($2); i++) { c = substr($2, i, 1); if (c == "(") d++; if (c == ")") d--; if (c == "," && !d) n++ } print $1, n }' |
    sort -u > $out/declared.txt
# the list: name, parameters, what it expands to
$cc -E -dM -I. $out/in.c 2>/dev/null | grep -E '^#define (tg_[a-z0-9_]+)\([^)]*\) \1 ?\(' > $out/list.txt
awk '{ name = $2; sub(/\(.*/, "", name); print name }' $out/list.txt | sort > $out/listed.txt

total=$(wc -l < $out/declared.txt)
[ "$total" -gt 100 ] || fail "only $total functions were found in the declarations; is this test still right?"
while read -r name n; do
    case " $(echo $without) " in
        *" $name "*) if grep -qx "$name" $out/listed.txt; then fail "$name is in the list, and in this test's exceptions"; else pass; fi; continue;;
    esac
    if grep -qx "$name" $out/listed.txt; then pass; else fail "$name has no line in the list of place macros"; fi
done < $out/declared.txt

for name in $without; do
    grep -q "^$name " $out/declared.txt && pass || fail "$name is an exception in this test, but no such function is declared"
done

while IFS= read -r line; do
    problem=$(printf '%s\n' "$line" | awk -v file=$out/declared.txt '
        { s = $0; sub(/^#define /, "", s); name = s; sub(/\(.*/, "", name)
          params = s; sub(/^[^(]*\(/, "", params); sub(/\).*/, "", params); gsub(/ /, "", params)
          body = s; sub(/^[^)]*\) */, "", body); sub(/^tg_[a-z0-9_]* *\(/, "", body); sub(/\)$/, "", body); gsub(/ /, "", body)
          n = split(params, p, ","); want = 0
          while ((getline row < file) > 0) { split(row, r, " "); if (r[1] == name) want = r[2] }
          if (!want) { print "names no function that takes a tensor or a context first"; exit }
          rest = ""; for (i = 2; i <= n; i++) rest = rest "," (p[i] == "..." ? "__VA_ARGS__" : p[i])
          a = "TG__AT(" p[1] ")" rest; b = "TG__AT_CTX(" p[1] ")" rest; c = "TG__AT_LIST(" p[1] "," p[2] ")" rest; d = "TG__AT_CALL(" p[1] ")" rest
          if (body != a && body != b && body != c && body != d) { print "expands to " body; exit }
          if (p[n] != "..." && n != want) { print "has " n " parameters, the function " want; exit }
          if (p[n] == "..." && n > want) print "has too many parameters" }')
    if [ -z "$problem" ]; then pass; else fail "$(printf '%s\n' "$line" | awk '{ print $2 }' | sed 's/(.*//'): the line of the list $problem"; fi
done < $out/list.txt

echo "places: $passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
