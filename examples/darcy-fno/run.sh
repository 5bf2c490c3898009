#!/usr/bin/env bash
# An FNO on Darcy flow, tested where it was trained and on finer nodes.
source "$(dirname "$0")/../common.sh"

dataset darcy-85.nc darcy --samples 1000 --resolution 85 --solve-resolution 421 --seed 1
dataset darcy-85-test.nc darcy --samples 200 --resolution 85 --solve-resolution 421 --seed 4
dataset darcy-211-test.nc darcy --samples 200 --resolution 211 --solve-resolution 421 --seed 4

train fno experiment.yaml --data "$runs/data/darcy-85.nc" --epochs "$(choose 40 500)"
heading 'relative L2 at 85²' 'at 211²'
row fno "$(relative_l2 fno darcy-85-test.nc | rounded)" "$(relative_l2 fno darcy-211-test.nc | rounded)"
