#!/usr/bin/env bash
# All experiments, one after the other; PROGRAM, RUNS, FULL, THREADS, PEER and DARCY16 as in common.sh.
set -euo pipefail

for experiment in burgers-deeponet burgers-fno darcy-neuraloperator darcy-fno darcy-multigrid navier-stokes-fno \
  navier-stokes-compression specboost; do
  "$(dirname "$0")/$experiment/run.sh"
done
