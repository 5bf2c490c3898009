#!/usr/bin/env bash
# The main job, small: data by classical solvers, a Fourier neural operator trained on them, its error and time beside
# the solver's own. Usage: run.sh PROGRAM [FOLDER]
set -euo pipefail

program=$(realpath "$1")
folder=${2:-demo}
rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"

say() { printf '\n== %s\n' "$*" >&2; }
# The value of a key in one line of JSON.
value() { sed -E "s/.*\"$1\":([^,}]*).*/\1/"; }
# Seconds a sample that `generate` took to solve, on one thread.
seconds_per_sample() { "$program" generate "$@" --threads 1 --json | value seconds_per_sample; }

rows=()
# demonstrate EQUATION POINTS TWICE FINE SAMPLES MODES EPOCHS OPTION...: train at POINTS, test there and at TWICE.
demonstrate() {
  local equation=$1 points=$2 twice=$3 fine=$4 samples=$5 modes=$6 epochs=$7
  say "$equation: $samples training samples at $points, solved at $twice"
  "$program" generate "$equation" --samples "$samples" --resolution "$points" --solve-resolution "$twice" \
    --seed 1 --output "$equation-train.nc"
  say "$equation: 50 unseen samples at $points and at $twice"
  "$program" generate "$equation" --samples 50 --resolution "$points" --solve-resolution "$twice" \
    --seed 2 --output "$equation-test.nc"
  local solver
  solver=$(seconds_per_sample "$equation" --samples 50 --resolution "$twice" --seed 2 --output "$equation-test-twice.nc")
  # The solver's own error: against a solution on a much finer grid.
  "$program" generate "$equation" --samples 50 --resolution "$twice" --solve-resolution "$fine" --seed 2 \
    --output "$equation-reference.nc"

  say "$equation: training"
  "$program" train --data "$equation-train.nc" --model fno --modes "$modes" --width 32 --epochs "$epochs" \
    --batch-size 10 --seed 0 --output "$equation-run" "${@:8}"
  say "$equation: prediction and errors"
  "$program" predict --model "$equation-run" --data "$equation-test.nc" --output "$equation-prediction.nc"
  local same finer own
  same=$("$program" evaluate --model "$equation-run" --data "$equation-test.nc" --json)
  finer=$("$program" evaluate --model "$equation-run" --data "$equation-test-twice.nc" --threads 1 --json)
  own=$("$program" evaluate --predictions "$equation-test-twice.nc" --data "$equation-reference.nc" --json)
  rows+=("$equation $points $twice $(value relative_l2 <<<"$same") $(value relative_l2 <<<"$finer") \
$(value relative_l2 <<<"$own") $(value seconds_per_sample <<<"$finer") $solver")
}

demonstrate darcy 43 85 337 400 12x12 20 --learning-rate 5e-3 --set training.loss=relative_h1 \
  --set training.output_normalization=pointwise_gaussian
demonstrate burgers 256 512 2048 400 32 20 --learning-rate 2e-3

printf '\n%-8s  %15s  %15s  %13s  %13s  %13s  %7s\n' \
  equation 'error (trained)' 'error (twice)' "solver's own" 'operator ms' 'solver ms' 'speedup'
for row in "${rows[@]}"; do
  awk '{ printf "%-8s  %9.4f @%-4d  %9.4f @%-4d  %13.2e  %13.3f  %13.3f  %6.1fx\n",
    $1, $4, $2, $5, $3, $6, 1000 * $7, 1000 * $8, $8 / $7 }' <<<"$row"
done
cat <<'END'

Relative L2 errors on 50 unseen samples, at the resolution of training and, with the same weights, at twice that.
"Solver's own" is the error of the solver at twice the resolution against a much finer solve. Times are a sample's, at
twice the resolution, on one thread. The data, the runs and the predictions are in the folder of the demo.
END
