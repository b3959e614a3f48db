#!/bin/sh
# On a machine with an NVIDIA GPU: builds with plain cc, runs the goldens, the operations and the example on it, and writes what came into one file. At most 8 minutes; needs no network.
#   sh tools/gpu_check.sh [FOLDER]      FOLDER: goldens to run, *.jsonl with their .safetensors (../shared/golden does not travel: copy a part of it into build/gpu/golden, which is the default;
#                                     each file is a context of its own and compiles its kernels again, so that some ten files are enough for the time)
# Sections that are done are not run again: build/gpu/NAME.txt holds each one's output; remove it to repeat one. The results: build/gpu/results.txt.
cd "$(dirname "$0")/.." || exit 2
out=build/gpu
mkdir -p $out || exit 2
goldens=${1:-$out/golden}
cc=${CC:-cc}
section() {     # NAME SECONDS COMMAND...
    name=$1 limit=$2; shift 2
    if [ -f "$out/$name.txt" ]; then echo "$name: done before"; return; fi
    echo "---- $name"
    timeout "$limit" "$@" > "$out/$name.new" 2>&1
    echo "exit code $?" >> "$out/$name.new"
    mv "$out/$name.new" "$out/$name.txt"
    tail -n 3 "$out/$name.txt"
}
section card 10 nvidia-smi --query-gpu=name,compute_cap,driver_version,memory.total --format=csv
section build_example 90 $cc -O2 examples/cuda.c -o $out/example -lpthread -ldl
section build_golden 120 $cc -O1 -DTENSORGRAD_TEACH -I. tests/golden.c -o $out/golden_run -lm -lpthread -ldl
section build_device 120 $cc -g -O1 -DTENSORGRAD_TEACH -DTENSORGRAD_SOFT_FMA -I. tests/cuda_device.c -o $out/device -lm -lpthread -ldl
section example 120 $out/example
section device 240 $out/device gpu
[ -d "$goldens" ] && section golden 240 $out/golden_run --device cuda "$goldens"
for f in card build_example build_golden build_device example device golden; do [ -f "$out/$f.txt" ] && { echo "==== $f"; tail -n 60 "$out/$f.txt"; }; done > $out/results.txt
echo "results: $out/results.txt"
