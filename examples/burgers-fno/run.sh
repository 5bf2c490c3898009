#!/usr/bin/env bash
# An FNO on Burgers' equation, tested where it was trained and on eight times as many points.
source "$(dirname "$0")/../common.sh"

dataset burgers-1024.nc burgers --samples 1000 --resolution 1024 --seed 1
dataset burgers-1024-test.nc burgers --samples 200 --resolution 1024 --solve-resolution 8192 --seed 2
dataset burgers-8192-test.nc burgers --samples 200 --resolution 8192 --seed 2

train fno experiment.yaml --data "$runs/data/burgers-1024.nc" --epochs "$(choose 120 500)"
heading 'relative L2 at 1024' 'at 8192'
row fno "$(relative_l2 fno burgers-1024-test.nc | rounded)" "$(relative_l2 fno burgers-8192-test.nc | rounded)"
