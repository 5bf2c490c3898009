#!/usr/bin/env bash
# neuraloperator's own Darcy set with its settings, dense and tensorized, three seeds each. The set is theirs: DARCY16
# names a folder that holds it as darcy16_train.nc and darcy16_test.nc (README.md).
source "$(dirname "$0")/../common.sh"

if [[ -z $darcy16 && ! -e $runs/data/darcy16_train.nc ]]; then
  say "left out: no runs/data/darcy16_train.nc, and DARCY16 does not say where it is"
  exit
fi
for part in train test; do
  [[ -e $runs/data/darcy16_$part.nc ]] || cp "$darcy16/darcy16_$part.nc" "$runs/data"
done

heading model 'relative L2, seeds 0, 1, 2' mean
# three LABEL CONFIG
three() {
  local errors=()
  for seed in 0 1 2; do
    train "$1-$seed" "$1.yaml" --data "$runs/data/darcy16_train.nc" --seed "$seed"
    errors+=("$(relative_l2 "$1-$seed" darcy16_test.nc | rounded)")
  done
  row "$1-0" "$1" "${errors[*]}" "$(printf '%s\n' "${errors[@]}" | awk '{ s += $1 } END { printf "%.4f", s / NR }')"
}
three fno
three tfno
