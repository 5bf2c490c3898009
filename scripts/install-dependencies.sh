#!/usr/bin/env bash
# Installs the C libraries that pkg-config does not find; says what to do where it cannot.
set -euo pipefail

declare -A packages=([fftw3]=libfftw3-dev [fftw3f]=libfftw3-dev [openblas]=libopenblas-dev [netcdf]=libnetcdf-dev)

missing=()
if ! command -v pkg-config >/dev/null; then
  missing=(pkg-config libfftw3-dev libopenblas-dev libnetcdf-dev)
else
  for module in fftw3 fftw3f openblas netcdf; do
    pkg-config --exists "$module" || missing+=("${packages[$module]}")
  done
fi
command -v make >/dev/null || missing+=(make)
[ ${#missing[@]} -eq 0 ] && exit 0

mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
command="apt-get install -y --no-install-recommends ${missing[*]}"
if ! command -v apt-get >/dev/null; then
  echo "operators: these libraries are needed with their headers: ${missing[*]} (Debian's names); install them and run make again" >&2
  exit 1
fi
if [ "$(id -u)" -eq 0 ]; then
  sudo=()
elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
  sudo=(sudo)
else
  echo "operators: run this as root, then make again: apt-get update && $command" >&2
  exit 1
fi
echo "operators: installing ${missing[*]}" >&2
"${sudo[@]}" apt-get update -qq
# shellcheck disable=SC2086
"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive $command -qq
