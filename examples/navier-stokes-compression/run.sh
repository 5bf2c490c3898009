#!/usr/bin/env bash
# How few parameters do: one factorization of the spectral weights of all layers against dense weights.
source "$(dirname "$0")/../common.sh"

samples=$(choose 40 1000)
flow=(navier-stokes --viscosity 1e-4 --final-time 30 --save-every 1 --cfl 1.5 --resolution 64 --solve-resolution 128)
train=navier-stokes-1e-4-$samples.nc
test=navier-stokes-1e-4-test.nc
validation=navier-stokes-1e-4-validation.nc
dataset "$train" "${flow[@]}" --samples "$samples" --seed 1
dataset "$test" "${flow[@]}" --samples 100 --seed 4
dataset "$validation" "${flow[@]}" --samples 20 --seed 3

heading 'spectral weights' 'relative L2'
# experiment RUN LABEL OPTIONS...
experiment() {
  train "$1" experiment.yaml --data "$runs/data/$train" "${@:3}"
  row "$1" "$2" "$(relative_l2 "$1" "$test" | rounded)"
}
experiment dense dense
experiment dense-best 'dense, best epoch on 20 more samples' --validation "$runs/data/$validation"
for parameters in 32000 8000; do
  for factorization in tucker cp tt; do
    experiment "$factorization-$parameters" "$factorization, at most $parameters" \
      --model tfno --factorization "$factorization" --joint-factorization --rank-parameters "$parameters"
  done
done
experiment tucker-128000 'tucker, at most 128000' \
  --model tfno --factorization tucker --joint-factorization --rank-parameters 128000
neuraloperator neuraloperator "$train" "$test" --inputs 'w[0:10]' --outputs 'w[10:30]' --modes 24x24 --width 32 \
  --epochs 500 --batch-size 5 --learning-rate 5e-3 --weight-decay 1e-4
[[ ! -e neuraloperator.json ]] ||
  row neuraloperator 'neuraloperator, dense' "$(value relative_l2 <neuraloperator.json | rounded)"
