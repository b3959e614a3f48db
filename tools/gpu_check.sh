#!/bin/sh
# On a machine with an NVIDIA GPU: the operations; cuBLASLt, cuDNN, copies through page-locked memory, programs on disk, the host's own memory and stream; goldens, the example and a few times;
# rows of the benchmark list, and the same with torch where python3 has it and it sees the GPU. In at most 8 minutes, after the builds; needs no network.
#   sh tools/gpu_check.sh build         anywhere: compiles the programs into build/gpu with plain cc (about 2 minutes; CC chooses another compiler)
#   sh tools/gpu_check.sh [FOLDER]      on the GPU's machine; builds first what is not there. FOLDER: goldens, *.jsonl with their .safetensors (../shared/golden does not travel: a part of it
#                                     in build/gpu/golden is the default; each file is a context of its own and compiles its kernels again: some ten files are enough for the time)
#   sh tools/gpu_check.sh join FILE...  only prints the table of files with lines of tools/gpu_bench.c and tools/gpu_torch.py
# Each step has a limit and a file, build/gpu/NAME.txt, with its output and exit code; what passed is not run again: where the time was short, run it once more. GPU_TIME=SECONDS: other than 480.
# The results: build/gpu/results.txt. Exit code 0: all steps ran and passed.
cd "$(dirname "$0")/.." || exit 2
out=build/gpu
# The table of lines of JSON, least times: ours, torch's, how often ours goes into theirs, and what ours does with the work. Then the geometric means of the two ratios, and what went wrong.
join() { awk '
    function text(key) { return match($0, "\"" key "\":\"[^\"]*\"") ? substr($0, RSTART + length(key) + 4, RLENGTH - length(key) - 5) : "" }
    function number(key) { return match($0, "\"" key "\":[-+0-9.e]+") ? substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 3) + 0 : 0 }
    function us(x) { return x > 0 ? sprintf("%.2f", x) : "-" }
    function ratio(peer, i) { if (!(ours[i] > 0 && peer[i] > 0)) return "-"; return sprintf("%.2f", peer[i] / ours[i]) }
    !/^\{"name":/ { next }
    { name = text("name"); impl = text("impl"); if (!(name in seen)) { seen[name] = 1; order[++n] = name } }
    text("error") != "" { bad[++wrong] = impl " " name ": " text("error"); next }
    /"small":true/ { small = 1 }
    /"device":"cpu"/ { cpu = 1 }
    impl == "torch" { eager[name] = number("min_us"); next }
    impl == "torch_compile" { made[name] = number("min_us"); next }
    { ours[name] = number("min_us"); flop[name] = number("flop"); bytes[name] = number("bytes") }
    END {
        if (small) print "SMALL SIZES: no figures of speed"
        if (cpu) print "SOME OF IT ON THE CPU: no figures of a GPU"
        printf "%-44s %13s %13s %13s %8s %8s  %s\n", "row, microseconds", "tensorgrad", "torch", "torch.compile", "torch/tg", "comp./tg", "tensorgrad does"
        for (k = 1; k <= n; k++) {
            i = order[k]
            does = !(ours[i] > 0) ? "" : flop[i] > 0 && i !~ /^small/ ? sprintf("%.2f TFLOPS", flop[i] / ours[i] * 1e-6) : bytes[i] > 0 && i !~ /^small/ ? sprintf("%.0f GB/s", bytes[i] / ours[i] * 1e-3) : ""
            printf "%-44s %13s %13s %13s %8s %8s  %s\n", i, us(ours[i]), us(eager[i]), us(made[i]), ratio(eager, i), ratio(made, i), does
            if (ours[i] > 0 && eager[i] > 0) { sum += log(eager[i] / ours[i]); count++ }
            if (ours[i] > 0 && made[i] > 0) { sum_made += log(made[i] / ours[i]); count_made++ }
        }
        if (count) printf "geometric mean of %d rows with torch: %.2f\n", count, exp(sum / count)
        if (count_made) printf "geometric mean of %d rows with torch.compile: %.2f\n", count_made, exp(sum_made / count_made)
        for (k = 1; k <= wrong; k++) print "no time: " bad[k]
    }' "$@"; }
if [ "$1" = join ]; then shift; join "$@"; exit; fi
mkdir -p $out/cache || exit 2
goldens=${1:-$out/golden}
cc=${CC:-cc}
failed=0
ends=9999999999
room() { left=$((ends - $(date +%s))); [ $left -lt "$1" ] && echo $left || echo "$1"; }       # SECONDS, or what is left
step() {        # NAME SECONDS COMMAND...
    name=$1 limit=$(room "$2"); shift 2
    if [ -f "$out/$name.txt" ] && tail -n 1 "$out/$name.txt" | grep -q '^exit code 0$'; then echo "$name: passed before"; return; fi
    if [ "$limit" -lt 5 ]; then echo "$name: the time is up, not run"; echo "not run" > "$out/$name.txt"; failed=$((failed + 1)); return; fi
    begin=$(date +%s)
    timeout -k 5 "$limit" "$@" > "$out/$name.txt" 2>&1
    code=$?
    [ $code = 124 ] && echo "stopped after $limit s" >> "$out/$name.txt"
    [ $code = 0 ] || failed=$((failed + 1))
    echo "$name: exit code $code, $(($(date +%s) - begin)) s: $(tail -n 1 "$out/$name.txt" | cut -c1-200)"
    echo "exit code $code" >> "$out/$name.txt"
}
build() {       # NAME SOURCE FLAGS...: unless it is there and newer than what it is made of
    name=$1 source=$2; shift 2
    [ -x "$out/$name" ] && [ -z "$(find "$source" tools/rows.h tests/device_ops.h tests/op_list.h examples/models tensorgrad.h tensorgrad_cuda.h -newer "$out/$name")" ] && return
    step "build_$name" 150 $cc "$@" -I. "$source" -o "$out/$name" -lm -lpthread -ldl
}
rm -f $out/build_*.txt
build device tests/cuda_device.c -g -O1 -DTENSORGRAD_TEACH -DTENSORGRAD_SOFT_FMA
build golden_run tests/golden.c -O1 -DTENSORGRAD_TEACH
build example examples/cuda.c -O2
build gpu_bench tools/gpu_bench.c -O2 -DTENSORGRAD_TEACH
[ "$1" = build ] && exit $failed
ends=$(($(date +%s) + ${GPU_TIME:-480}))
step card 20 nvidia-smi --query-gpu=name,compute_cap,driver_version,memory.total --format=csv
step device 300 $out/device gpu             # every operation and its derivatives against the CPU
step more 120 $out/device card              # cuBLASLt, cuDNN and TF32, page-locked memory, programs on disk, the host's own memory and stream
step times 60 $out/device times
step example 60 $out/example
if [ -d "$goldens" ]; then step golden 120 $out/golden_run --device cuda "$goldens"; else echo "golden: no folder $goldens, not run"; failed=$((failed + 1)); fi
step bench 150 $out/gpu_bench --cache $out/cache --limit $(($(room 150) - 10))
if timeout 60 python3 -c 'import torch; raise SystemExit(not torch.cuda.is_available())' 2> /dev/null; then
    step torch 90 python3 tools/gpu_torch.py --limit $(($(room 90) - 10))
    step torch_compile 110 python3 tools/gpu_torch.py --compile --limit $(($(room 110) - 10)) --rows 'train/gpt2*,mem/gelu*,mem/mul*,mem/softmax*,mem/layernorm*,mem/cross*,small/mlp*,train/resnet*'
else echo "torch: skipped, python3 has no torch that sees the GPU"; rm -f $out/torch.txt $out/torch_compile.txt; fi
{
    for f in card device more times example golden; do [ -f "$out/$f.txt" ] && { echo "==== $f"; tail -n 60 "$out/$f.txt"; }; done
    set --; for f in bench torch torch_compile; do [ -f "$out/$f.txt" ] && set -- "$@" "$out/$f.txt"; done
    echo "==== rows"
    join "$@"
    [ -f $out/torch.txt ] || echo "torch: skipped, python3 has no torch that sees the GPU"
    for f in "$@"; do echo "==== $f"; cat "$f"; done
} > $out/results.txt
echo "steps that failed or were not run: $failed; results: $out/results.txt"
[ $failed = 0 ]
