# What the experiments share; their run.sh source it. PROGRAM is operatorctl, RUNS where data and runs go (by default
# `runs` beside the examples), THREADS how many to compute with; FULL=1 asks for the papers' sizes, in `runs-full`. PEER is
# a Python with the packages of Benchmarks/peers, where neuraloperator is to be trained beside ours. What is there already
# is not made again; a training that was stopped goes on, and one of other settings is made anew.
set -euo pipefail
shopt -s inherit_errexit

example=$(cd "$(dirname "${BASH_SOURCE[1]}")" && pwd)
name=$(basename "$example")
program=$(realpath "${PROGRAM:-$example/../../.build/release/operatorctl}")
full=${FULL:-}
runs=${RUNS:-$example/../../runs}${full:+-full}
peer=${PEER:+$(cd "$(dirname "$PEER")" && pwd)/$(basename "$PEER")}
darcy16=${DARCY16:+$(realpath "$DARCY16")}
threads=${THREADS:-$(nproc)}
mkdir -p "$runs/data" "$runs/$name"
runs=$(cd "$runs" && pwd)
cd "$runs/$name"

say() { printf '== %s: %s\n' "$name" "$*" >&2; }

# choose SHORT FULL: what the size asked for takes.
choose() { if [[ -n $full ]]; then printf '%s' "$2"; else printf '%s' "$1"; fi; }

# dataset FILE EQUATION OPTIONS...: runs/data/FILE.
dataset() {
  local file=$runs/data/$1
  [[ -e $file ]] && return
  say "data: $1"
  local resume=()
  [[ -e $file.partial ]] && resume=(--resume)
  "$program" generate "${@:2}" --threads "$threads" --output "$file" "${resume[@]}"
}

# train RUN CONFIG OPTIONS...: the run in the folder RUN, what `train --json` says of it in RUN.json.
train() {
  local settings existing=--resume
  settings=$(printf '%s\n' "${@:3}" && cat "$example/$2")
  if [[ ! -e $1.settings || $settings != "$(cat "$1.settings")" ]]; then
    rm -f "$1.json" "$1"-*.json
    existing=--force
  fi
  [[ -e $1.json ]] && return
  say "training: $1"
  printf '%s\n' "$settings" >"$1.settings"
  "$program" train --config "$example/$2" "${@:3}" --threads "$threads" --output "$1" $existing --json >"$1.json.new"
  mv "$1.json.new" "$1.json"
}

# values KEY: of JSON, wherever it stands, a line each; value KEY: the first of them.
values() { grep -o "\"$1\":[^],}]*" | cut -d : -f 2; }
value() { values "$1" | sed -n 1p; }

# relative_l2 RUN FILE: the error on a test set, evaluated once; all that `evaluate` says is in RUN-FILE.json.
relative_l2() {
  local result=$1-${2%.nc}.json
  if [[ ! -e $result ]]; then
    "$program" evaluate --model "$1" --data "$runs/data/$2" --threads "$threads" --json >"$result.new"
    mv "$result.new" "$result"
  fi
  value relative_l2 <"$result"
}

# neuraloperator RUN FILE TEST OPTIONS...: its FNO on the same file, what it says in RUN.json; without PEER nothing.
neuraloperator() {
  [[ -n $peer && ! -e $1.json ]] || return 0
  say "training: $1"
  "$peer" "$example/../../Benchmarks/peers/neuraloperator_train.py" --train "$runs/data/$2" --test "$runs/data/$3" \
    --normalize --threads "$threads" "${@:4}" >"$1.json.new"
  mv "$1.json.new" "$1.json"
}

# heading COLUMN...: a table begins.
heading() {
  table "$@" parameters minutes 'peak MB'
  printf '|%s\n' "$(printf -- '---|%.0s' $(seq $(($# + 3))))" | tee -a result.md
}

# row RUN CELL...: the cells, then parameters, time and memory of the run.
row() {
  table "${@:2}" "$(value parameters <"$1.json")" \
    "$(value seconds <"$1.json" | awk '{ printf "%.1f", $1 / 60 }')" \
    "$(value peak_memory_mb <"$1.json" | awk '{ printf "%.0f", $1 }')"
}

# table CELL...: one line, shown and kept in result.md.
table() {
  local cell
  for cell in "$@"; do
    [[ -n $cell ]] || { say 'a result is missing'; exit 1; }
  done
  {
    printf '|'
    printf ' %s |' "$@"
    printf '\n'
  } | tee -a result.md
}

rounded() { awk '{ printf "%.4f", $1 }'; }

: >result.md
