#!/bin/sh
# tests/torch_names.h says what torch calls a function that has another name here. It is held against tests/golden.c, which carries out torch's operators:
#   - every `ours` is a public function;
#   - every operator there that has no function of its name is said to be another's name;
#     modules, optimisers, schedules and initialisers have chapters and names of their own, which this table is not about;
#   - an operator that is said to be a function's name is carried out by an adapter which calls that function (or what that adapter calls does).
cd "$(dirname "$0")/.." || exit 2
awk '
    function last(s) { sub(/\(.*/, "", s); sub(/.*\./, "", s); return s }
    function check(ok, what) { if (ok) passed++; else { failed++; print "FAIL names: " what } }
    function reaches(f, want,   words, n, i) {               # does the body of f, or of what it names, name tg_want?
        if (f in tried || !(f in body)) return 0
        tried[f] = 1
        n = split(body[f], words, /[^A-Za-z0-9_]+/)
        for (i = 1; i <= n; i++) if (words[i] == "tg_" want || words[i] == "tg_" want "_from") return 1
        for (i = 1; i <= n; i++) if (words[i] != f && reaches(words[i], want)) return 1
        return 0
    }
    FNR == 1 { file++ }
    # the header: public functions
    file == 1 && /^TG_API .*\(/ { s = $0; sub(/\(.*/, "", s); sub(/.*[ *]/, "", s); sub(/_from$/, "", s); if (s ~ /^tg_/) public[substr(s, 4)] = 1 }
    file == 1 && /^TG_[FW][123]P?\(tg_/ { s = $0; sub(/^[^(]*\(tg_/, "", s); sub(/[ ,].*/, "", s); public[s] = public[s "_"] = 1 }
    # ours and torchs
    file == 2 { s = $0; while (match(s, /\{ "[^"]*", "[^"]*" \}/)) { pair = substr(s, RSTART + 3, RLENGTH - 6); s = substr(s, RSTART + RLENGTH); split(pair, two, /", "/); ours[++n] = two[1]; torchs[n] = two[2] } }
    # golden.c: functions, and the table of operators
    file == 3 && /^static const adapter adapters/ { table = 1 }
    file == 3 && table { s = $0; while (match(s, /\{ "[A-Za-z0-9_.]+", [A-Za-z0-9_]+, [01] \}/)) { pair = substr(s, RSTART + 3, RLENGTH - 5); s = substr(s, RSTART + RLENGTH); split(pair, two, /"?, /); call[two[1]] = two[2] } }
    file == 3 && table && /^};/ { table = 0 }
    file == 3 && !open && (/^(static|TEST_MAYBE|#define) ?.*\(/ || /^[A-Z_]+\(a_/) {
        f = $0; if (f ~ /^#define/) { sub(/^#define +/, "", f); sub(/\(.*/, "", f) } else if (f ~ /^[A-Z_]+\(a_/) { sub(/^[A-Z_]+\(/, "", f); sub(/[,)].*/, "", f) } else { sub(/\(.*/, "", f); sub(/.*[ *]/, "", f) }
        open = 1
    }
    file == 3 && open { body[f] = body[f] " " $0; if (body[f] ~ /^ #define/ ? $0 !~ /\\$/ : /^}/ || /}$/ && /^[A-Za-z]/ || /[;)]$/ && /^[A-Za-z]/) open = 0 }
    END {
        check(n > 40, "only " n " names were read"); for (op in call) ops++; check(ops > 300, "only " ops + 0 " operators were read")
        for (i = 1; i <= n; i++) {
            check(ours[i] in public, "there is no function tg_" ours[i])
            m = split(torchs[i], each, /, /)
            for (k = 1; k <= m; k++) {
                name = each[k]; sub(/\(.*/, "", name); named[last(name)] = 1
                found = ""
                for (op in call) if (op == name || (name !~ /\./ && last(op) == name)) {
                    split("", tried)
                    found = found " " op
                    if (reaches(call[op], ours[i])) { found = "yes"; break }
                }
                if (name !~ /^nn\.[A-Z]/) check(found == "" || found == "yes", "tests/torch_names.h: torch calls tg_" ours[i] " " each[k] ", but the adapter of" found " does not call it")
            }
        }
        for (op in call) if (op !~ /^(nn\.[A-Z]|nn\.init\.|nn\.utils\.|optim\.|sched\.)/) check((last(op) in public) || (last(op) in named) || op ~ /_$/ && (substr(last(op), 1, length(last(op)) - 1) in named) || op == "nn.utils.parameters_to_vector", "torch has " op ", there is no function of that name, and tests/torch_names.h does not say which it is")
        print "names: " passed " passed, " failed + 0 " failed, 0 skipped"
        exit failed > 0
    }' tensorgrad.h tests/torch_names.h tests/golden.c
