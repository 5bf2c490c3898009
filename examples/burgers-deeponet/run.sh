#!/usr/bin/env bash
# DeepONet and POD-DeepONet on Burgers' equation, 128 points.
source "$(dirname "$0")/../common.sh"

dataset burgers-128.nc burgers --samples 1000 --resolution 128 --solve-resolution 1024 --seed 1
dataset burgers-128-test.nc burgers --samples 200 --resolution 128 --solve-resolution 1024 --seed 2

heading model 'relative L2'
for model in deeponet pod-deeponet; do
  train $model $model.yaml --data "$runs/data/burgers-128.nc" --epochs "$(choose 2000 20000)"
  row $model $model "$(relative_l2 $model burgers-128-test.nc | rounded)"
done
