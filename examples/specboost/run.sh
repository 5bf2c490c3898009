#!/usr/bin/env bash
# SpecBoost against one FNO of the same epochs in all, and against one of the same parameters (and epochs) too.
source "$(dirname "$0")/../common.sh"

# sets NAME SAMPLES OPTIONS...: for training, validation (200) and test (200).
sets() {
  dataset "$1-train.nc" "${@:3}" --samples "$2" --seed 1
  dataset "$1-validation.nc" "${@:3}" --samples 200 --seed 3
  dataset "$1-test.nc" "${@:3}" --samples 200 --seed 2
}
sets specboost-burgers 1000 burgers --resolution 256 --solve-resolution 1024
sets specboost-darcy 1000 darcy --resolution 43 --solve-resolution 421
sets specboost-navier-stokes "$(choose 2000 10000)" navier-stokes --viscosity 1e-3 --final-time 5 --cfl 1 \
  --resolution 32 --solve-resolution 64

heading equation model 'relative L2'
# compare EQUATION WIDE EPOCHS MODES WIDTH BATCH RATE INPUT OUTPUT: EPOCHS a member; a single operator of width WIDE
# has as many parameters as both.
compare() {
  local equation=$1 wide=$2 epochs=$3
  local data=(--data "$runs/data/specboost-$equation-train.nc"
    --validation "$runs/data/specboost-$equation-validation.nc")
  local test=specboost-$equation-test.nc
  train "$equation-single" "$equation-single.yaml" "${data[@]}" --epochs $((2 * epochs))
  train "$equation-wide" "$equation-single.yaml" "${data[@]}" --epochs $((2 * epochs)) --width "$wide"
  train "$equation-boosted" "$equation-boosted.yaml" "${data[@]}" --epochs "$epochs"
  row "$equation-single" "$equation" 'single, same epochs' "$(relative_l2 "$equation-single" "$test" | rounded)"
  row "$equation-wide" "$equation" 'single, same parameters' "$(relative_l2 "$equation-wide" "$test" | rounded)"
  row "$equation-boosted" "$equation" SpecBoost "$(relative_l2 "$equation-boosted" "$test" | rounded)"
  local theirs=$equation-neuraloperator
  neuraloperator "$theirs" "specboost-$equation-train.nc" "$test" --modes "$4" --width "$5" --batch-size "$6" \
    --learning-rate "$7" --weight-decay 0 --inputs "$8" --outputs "$9" --epochs $((2 * epochs))
  [[ ! -e $theirs.json ]] ||
    row "$theirs" "$equation" 'neuraloperator, as the single' "$(value relative_l2 <"$theirs.json" | rounded)"
}
compare burgers 45 "$(choose 50 500)" 32 32 20 2e-3 u0 u
compare darcy 34 "$(choose 20 250)" 24x24 24 10 5e-3 a u
compare navier-stokes 34 "$(choose 15 200)" 16x16 24 20 2e-3 w0 w
