#!/bin/sh
# The part `messages`: every call that words an error (tg__fail(tg, TG__E_NAME, ...)) gives its message as many arguments as the text has places, of kinds that fit where that can be seen;
# every message of the list is used; and the numbers, which tests and users compare, are in the order of tests/messages.txt, to whose end new ones are added.
cd "$(dirname "$0")/.." || exit 2
passed=0 failed=0
pass() { passed=$((passed + ${1:-1})); }
fail() { failed=$((failed + 1)); echo "FAIL $1"; }
mkdir -p build/messages

# name and places of each message, in order
sed -n 's/^ *TG__MSG(\([A-Z_0-9]*\), *TG_ERROR_[A-Z]*, *\("\(.*\)"\)).*/\1 \3/p' tensorgrad.h > build/messages/list.txt
[ "$(wc -l < build/messages/list.txt)" -gt 80 ] || fail "fewer than 80 messages found; has their form changed?"

# the calls: text from 'tg__fail(' to its closing parenthesis, on one line
awk -v list=build/messages/list.txt '
    BEGIN {
        while ((getline row < list) > 0) {
            name = row; sub(/ .*/, "", name); text = row; sub(/^[^ ]* /, "", text)
            n = 0; k = ""
            while (match(text, /%[sdlftvyc]/)) { c = substr(text, RSTART + 1, 1); k = k c; n += c == "v" ? 2 : 1; text = substr(text, RSTART + 2) }
            want[name] = n; kinds[name] = k
        }
    }
    { gsub(/tg__fail_op\(/, "tg__fail(\"\", "); all = all $0 "\n" }           # words at the call: told by the empty text
    END {
        good = 0; bad = 0; line = 1
        while ((at = index(all, "tg__fail(")) > 0) {
            before = substr(all, 1, at - 1); line += gsub(/\n/, "\n", before)
            all = substr(all, at + 9)
            depth = 1; quote = 0; n = 1; arg = ""; split("", args)
            for (i = 1; depth > 0 && i < 2000; i++) {
                c = substr(all, i, 1)
                if (quote) { if (c == "\\") { arg = arg c; i++; c = substr(all, i, 1) } else if (c == quote) quote = 0 }
                else if (c == "\"" || c == "\047") quote = c
                else if (c == "(" || c == "[" || c == "{") depth++
                else if (c == ")" || c == "]" || c == "}") depth--
                else if (c == "," && depth == 1) { args[n++] = arg; arg = ""; continue }
                if (depth) arg = arg c
            }
            args[n] = arg
            if (args[1] == "\"\"") {                                # tg, code, words, arguments
                text = args[4]; k = 0
                if (text !~ /^[ \n]*"/) { if (text !~ /^ *const char/) { print "FAIL line " line ": tg__fail_op without words: " text; bad++ } continue }
                while (match(text, /%[sdlftvyc]/)) { k += substr(text, RSTART + 1, 1) == "v" ? 2 : 1; text = substr(text, RSTART + 2) }
                if (k != n - 4) { print "FAIL line " line ": the words have places for " k " arguments, the call gives " n - 4; bad++ } else good++
                continue
            }
            id = args[2]; gsub(/[ \n]/, "", id)
            if (id !~ /^TG__E_[A-Z_0-9]+$/) { if (id !~ /message/ && id ~ /TG__E_/) { split(id, two, /[?:]/); id = "" } else continue }
            if (id == "") {                                        # one of two messages: both must fit
                for (q = 2; q <= 3; q++) { m = two[q]; sub(/^TG__E_/, "", m); if (!(m in want) || want[m] != n - 2) { print "FAIL line " line ": tg__fail(" args[2] ", ...) has " n - 2 " arguments"; bad++ } else good++; used[m] = 1 }
                continue
            }
            sub(/^TG__E_/, "", id)
            used[id] = 1
            if (!(id in want)) { print "FAIL line " line ": there is no message " id; bad++; continue }
            if (want[id] != n - 2) { print "FAIL line " line ": " id " has places for " want[id] " arguments, the call gives " n - 2; bad++; continue }
            # kinds that can be seen: a cast, a text, a number
            p = 3; wrong = ""
            for (q = 1; q <= length(kinds[id]); q++) {
                k = substr(kinds[id], q, 1); a = args[p]; gsub(/^[ \n]+|[ \n]+$/, "", a)
                if (a ~ /^"/ && k != "s") wrong = "a text for %" k
                if (a ~ /^\(int64_t\)/ && k != "l") wrong = "an int64_t for %" k
                if (a ~ /^\(double\)/ && k != "f") wrong = "a double for %" k
                if (a ~ /^\(int\)/ && k != "d" && k != "y" && k != "v") wrong = "an int for %" k
                if (a ~ /^-?[0-9]+$/ && k != "d") wrong = "a plain number, an int, for %" k
                p += k == "v" ? 2 : 1
            }
            if (wrong != "") { print "FAIL line " line ": " id ": " wrong; bad++ } else good++
        }
        used["TARGET_SHAPE"] = 1                                # retired; its number stays its own
        for (m in want) if (!(m in used)) { print "FAIL message " m " is used by nobody"; bad++ } else good++
        print "counts", good, bad
    }' tensorgrad.h > build/messages/out.txt
grep '^FAIL' build/messages/out.txt
set -- $(sed -n 's/^counts //p' build/messages/out.txt)
passed=$((passed + ${1:-0})); failed=$((failed + ${2:-1}))
[ "${1:-0}" -gt 200 ] || fail "only ${1:-0} calls were understood"

# numbers
sed 's/ .*//' build/messages/list.txt > build/messages/names.txt
head -n "$(wc -l < tests/messages.txt)" build/messages/names.txt | cmp -s - tests/messages.txt && pass || fail "a message has another number than in tests/messages.txt: rows are only added at the end"
[ "$(wc -l < build/messages/names.txt)" -eq "$(wc -l < tests/messages.txt)" ] && pass || fail "new messages are not in tests/messages.txt yet: add their names to its end"
echo "messages: $passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
