#!/bin/sh
# On a machine with an NVIDIA GPU: the operations; cuBLASLt, cuDNN, copies through page-locked memory, programs on disk, the host's own memory and stream; goldens, the example and a few times, in at
# most 10 minutes; needs no network.
#   sh tools/gpu_check.sh build         anywhere: compiles the programs into build/gpu with plain cc (about 2 minutes; CC chooses another compiler)
#   sh tools/gpu_check.sh [FOLDER]      on the GPU's machine; builds first what is not there. FOLDER: goldens, *.jsonl with their .safetensors (../shared/golden does not travel: a part of it
#                                     in build/gpu/golden is the default; each file is a context of its own and compiles its kernels again: some ten files are enough for the time)
# Each step has a limit and a file, build/gpu/NAME.txt, with its output and exit code; what passed is not run again. The results: build/gpu/results.txt. Exit code 0: all steps ran and passed.
cd "$(dirname "$0")/.." || exit 2
out=build/gpu
mkdir -p $out || exit 2
goldens=${1:-$out/golden}
cc=${CC:-cc}
failed=0
step() {        # NAME SECONDS COMMAND...
    name=$1 limit=$2; shift 2
    if [ -f "$out/$name.txt" ] && tail -n 1 "$out/$name.txt" | grep -q '^exit code 0$'; then echo "$name: passed before"; return; fi
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
    [ -x "$out/$name" ] && [ -z "$(find "$source" tests/device_ops.h tests/op_list.h tensorgrad.h tensorgrad_cuda.h -newer "$out/$name")" ] && return
    step "build_$name" 150 $cc "$@" -I. "$source" -o "$out/$name" -lm -lpthread -ldl
}
rm -f $out/build_*.txt
build device tests/cuda_device.c -g -O1 -DTENSORGRAD_TEACH -DTENSORGRAD_SOFT_FMA
build golden_run tests/golden.c -O1 -DTENSORGRAD_TEACH
build example examples/cuda.c -O2
[ "$1" = build ] && exit $failed
step card 20 nvidia-smi --query-gpu=name,compute_cap,driver_version,memory.total --format=csv
step device 300 $out/device gpu             # every operation and its derivatives against the CPU
step more 120 $out/device card              # cuBLASLt, cuDNN and TF32, page-locked memory, programs on disk, the host's own memory and stream
step times 60 $out/device times
step example 60 $out/example
if [ -d "$goldens" ]; then step golden 120 $out/golden_run --device cuda "$goldens"; else echo "golden: no folder $goldens, not run"; failed=$((failed + 1)); fi
for f in card device more times example golden; do [ -f "$out/$f.txt" ] && { echo "==== $f"; tail -n 60 "$out/$f.txt"; }; done > $out/results.txt
echo "steps that failed or were not run: $failed; results: $out/results.txt"
[ $failed = 0 ]
