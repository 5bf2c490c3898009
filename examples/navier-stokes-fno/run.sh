#!/usr/bin/env bash
# Forty times of a flow from ten: times as channels, step by step, or time as an axis.
source "$(dirname "$0")/../common.sh"

flow=(navier-stokes --viscosity 1e-3 --final-time 50 --save-every 1 --cfl 1 --resolution 64)
dataset navier-stokes-1e-3.nc "${flow[@]}" --samples 1000 --seed 1
dataset navier-stokes-1e-3-test.nc "${flow[@]}" --samples 200 --seed 4

heading times 'relative L2' 'of the first' 'of the last'
# experiment RUN EPOCHS LABEL
experiment() {
  train "$1" "$1.yaml" --data "$runs/data/navier-stokes-1e-3.nc" --epochs "$2"
  # The whole error, then that of every time.
  relative_l2 "$1" navier-stokes-1e-3-test.nc >/dev/null
  local errors
  mapfile -t errors < <(values relative_l2 <"$1-navier-stokes-1e-3-test.json")
  row "$1" "$3" "$(rounded <<<"${errors[0]}")" "$(rounded <<<"${errors[1]}")" "$(rounded <<<"${errors[-1]}")"
}
experiment channels "$(choose 80 500)" 'as channels'
experiment rollout "$(choose 2 50)" 'one after the other'
experiment axis "$(choose 4 200)" 'as an axis'
