#!/bin/sh
# Every op record of the header that has a backward stands in the list of tests/op_list.h (its lines OP("name", ...)), and the list names no op that is not there.
# The rows of the formula table need no list: that file is generated from them.
cd "$(dirname "$0")/.." || exit 2
passed=0; failed=0
have=$(awk '
    /^static const tg_op [A-Za-z0-9_]+ *=/ { on = 1; text = "" }
    on { text = text " " $0 }
    on && /};/ {
        on = 0
        name = text; sub(/^[^"]*"/, "", name); sub(/".*/, "", name)
        if (text !~ /, *NULL *, *[A-Za-z0-9_]* *};/) print name   # ..., backward, vmap };
    }' tensorgrad.h | sort -u)
listed=$(sed -n 's/^ *OP("\([^"]*\)".*/\1/p' tests/op_list.h tests/device_ops.h | sort -u)
known=$(sed -n -e 's/^static const tg_op [A-Za-z0-9_]* *= *{ *TG__OP[A-Z_]*("\([^"]*\)".*/\1/p' -e 's/^TG_[FW][123]P\{0,1\}(tg_\([a-z0-9_]*\),.*/\1/p' tensorgrad.h | sort -u)
if [ "$(echo "$have" | wc -l)" -lt 30 ]; then echo "FAIL oplist: fewer than 30 records found; has their form changed?"; failed=$((failed + 1)); else passed=$((passed + 1)); fi
for name in $have; do
    if echo "$listed" | grep -qx -- "$name"; then passed=$((passed + 1)); else echo "FAIL oplist: '$name' has a backward, but no gradient check in tests/op_list.h"; failed=$((failed + 1)); fi
done
for name in $listed; do
    if echo "$known" | grep -qx -- "$name"; then passed=$((passed + 1)); else echo "FAIL oplist: tests/op_list.h names '$name', which is no op record"; failed=$((failed + 1)); fi
done
# Every layer of >>nn, by its prototype or, losses, by its macro, is in tests/nn_list.h, and every model of examples in tests/small_models.h. tg_nn_list has no function.
layers=$(sed -n -e 's/^TG_API tg_module \*\(tg_nn_[a-z0-9_]*\)(.*/\1/p' -e 's/^#define \(tg_nn_[a-z0-9_]*_loss\)(.*/\1/p' tensorgrad.h | sed 's/_from$//; s/_of$//' | grep -vxE 'tg_nn_(list|loss)' | sort -u)
if [ "$(echo "$layers" | wc -l)" -lt 100 ]; then echo "FAIL oplist: fewer than 100 layers found; have their prototypes changed?"; failed=$((failed + 1)); else passed=$((passed + 1)); fi
for name in $layers; do
    if grep -q "$name(tg\|$name(m" tests/nn_list.h; then passed=$((passed + 1)); else echo "FAIL oplist: '$name' is a layer and has no row in tests/nn_list.h"; failed=$((failed + 1)); fi
done
for name in $(sed -n 's/^static \(inline \)\{0,1\}tg_module \*\([a-z0-9_]*_new\)(tg_ctx \*tg, const [a-z0-9_]*_config \*c).*/\2/p' examples/models/*.h | sort -u); do
    case $name in *_layer_new|*_generator_new|*_discriminator_new|*_feed_new) continue;; esac      # parts of models
    if grep -q "$name(tg" tests/small_models.h; then passed=$((passed + 1)); else echo "FAIL oplist: the model of $name is not in tests/small_models.h"; failed=$((failed + 1)); fi
done
# A mistake in a row is told at the row's line
mkdir -p build/typo
sed 's/^\(TG_F1(tg_exp, .*\)EXP(x)/\1EXPP(x)/' tensorgrad.h > build/typo/tensorgrad.h
row=$(grep -n '^TG_F1(tg_exp,' tensorgrad.h | cut -d: -f1)
if ${CC:-cc} -fsyntax-only -Werror=implicit-function-declaration -DTENSORGRAD_IMPLEMENTATION -DTENSORGRAD_TEACH -x c build/typo/tensorgrad.h 2> build/typo/said.txt; then echo "FAIL oplist: a word that is none compiles"; failed=$((failed + 1))
elif [ "$(sed -n 's/^[^ ]*tensorgrad.h:\([0-9]*\):[0-9]*: error.*/\1/p' build/typo/said.txt | sort -u)" = "$row" ]; then passed=$((passed + 1))
else echo "FAIL oplist: a mistake in line $row is told elsewhere"; grep error build/typo/said.txt | head -n 3; failed=$((failed + 1)); fi
echo "oplist: $passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
