#!/usr/bin/env bash
# The same operator on a whole domain, and on its patches with coarser levels as further channels.
source "$(dirname "$0")/../common.sh"

dataset darcy-128.nc darcy --samples 1000 --resolution 128 --solve-resolution 255 --seed 1
dataset darcy-128-test.nc darcy --samples 200 --resolution 128 --solve-resolution 255 --seed 2

# A training step at 256², two levels, the same operator: its memory alone.
step=(benchmark --modes 24x24 --width 24 --grid 256x256 --batch-size 8 --repetitions 1 --threads "$threads" --json)
for levels in 0 2; do
  multigrid=()
  [[ $levels == 0 ]] || multigrid=(--multigrid-levels "$levels" --multigrid-overlap 0.05)
  table "one step at 256², $levels levels" \
    "$("$program" "${step[@]}" "${multigrid[@]}" | value peak_memory_mb | awk '{ printf "%.0f MB", $1 }')"
done

heading model 'relative L2'
common=(--data "$runs/data/darcy-128.nc" --epochs "$(choose 20 300)")
train whole experiment.yaml "${common[@]}"
row whole 'whole domain' "$(relative_l2 whole darcy-128-test.nc | rounded)"
train patches experiment.yaml "${common[@]}" \
  --multigrid-levels 1 --multigrid-overlap 0.1 --multigrid-boundary replicate --multigrid-coarsening average
row patches '4 patches, 1 coarser level' "$(relative_l2 patches darcy-128-test.nc | rounded)"
