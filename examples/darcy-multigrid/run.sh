#!/usr/bin/env bash
# The same operator on a whole domain, and on its patches, without and with a coarse solution that they correct.
source "$(dirname "$0")/../common.sh"

dataset darcy-128.nc darcy --samples 1000 --resolution 128 --solve-resolution 255 --seed 1
dataset darcy-128-test.nc darcy --samples 200 --resolution 128 --solve-resolution 255 --seed 4

heading model 'relative L2'
common=(--data "$runs/data/darcy-128.nc" --epochs "$(choose 15 300)")
train whole experiment.yaml "${common[@]}"
row whole 'whole domain' "$(relative_l2 whole darcy-128-test.nc | rounded)"
patches=(--multigrid-levels 1 --multigrid-overlap 0.125 --multigrid-boundary replicate --multigrid-coarsening average)
train patches experiment.yaml "${common[@]}" "${patches[@]}"
row patches '4 patches, 1 coarser level' "$(relative_l2 patches darcy-128-test.nc | rounded)"
train corrections experiment.yaml "${common[@]}" "${patches[@]}" --multigrid-coarse-solve
row corrections '4 patches that correct a coarse solution' "$(relative_l2 corrections darcy-128-test.nc | rounded)"

# memory OPTIONS...: of one training step of the same operator at 256².
memory() {
  "$program" benchmark --modes 24x24 --width 24 --grid 256x256 --batch-size 8 --repetitions 1 --threads "$threads" \
    --json "$@" | value peak_memory_mb | awk '{ printf "%.0f", $1 }'
}
whole=$(memory)
patches=(--multigrid-levels 2 --multigrid-overlap 0.047 --multigrid-boundary replicate)
patched=$(memory "${patches[@]}")
corrected=$(memory "${patches[@]}" --multigrid-coarse-solve)
printf '\nA training step at 256²: %s MB; in 16 patches with two coarser levels: %s MB, with a coarse solution %s MB.\n' \
  "$whole" "$patched" "$corrected" | tee -a result.md
