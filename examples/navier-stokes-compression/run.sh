#!/usr/bin/env bash
# How few parameters do: factorized spectral weights against dense ones.
source "$(dirname "$0")/../common.sh"

samples=$(choose 400 1000)
flow=(navier-stokes --viscosity 1e-4 --final-time 30 --save-every 1 --cfl 1.5 --resolution 64 --solve-resolution 128)
dataset "navier-stokes-1e-4-$samples.nc" "${flow[@]}" --samples "$samples" --seed 1
dataset navier-stokes-1e-4-test.nc "${flow[@]}" --samples 100 --seed 2

train=navier-stokes-1e-4-$samples.nc
data=$runs/data/$train
epochs=$(choose 40 200)
heading model 'relative L2'
train dense experiment.yaml --data "$data" --epochs "$epochs"
row dense dense "$(relative_l2 dense navier-stokes-1e-4-test.nc | rounded)"
for parameters in 32000 8000 128000; do
  for factorization in tucker cp tt; do
    run=$factorization-$parameters
    train "$run" experiment.yaml --data "$data" --epochs "$epochs" \
      --model tfno --factorization "$factorization" --rank-parameters "$parameters"
    row "$run" "$factorization, $parameters spectral" "$(relative_l2 "$run" navier-stokes-1e-4-test.nc | rounded)"
  done
done
neuraloperator neuraloperator "$train" navier-stokes-1e-4-test.nc --inputs 'w[0:10]' --outputs 'w[10:30]' \
  --modes 24x24 --width 32 --epochs "$epochs" --batch-size 5 --learning-rate 2e-3 --weight-decay 1e-4
[[ ! -e neuraloperator.json ]] ||
  row neuraloperator 'neuraloperator, dense' "$(value relative_l2 <neuraloperator.json | rounded)"
