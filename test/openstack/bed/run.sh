#!/usr/bin/env bash
# Runs a command while the bed is up, from an empty one, and takes the bed down whatever happened.
# What the services logged stays in the state folder until the next run.
set -euo pipefail
bed="$(dirname "$0")/bed.py"

# What the command says on standard output is its own.
"$bed" down --clean >&2
trap '"$bed" down >&2' EXIT
# Bash ends through the trap above only if it ends by itself.
trap 'exit 130' INT TERM
"$bed" up >&2
"$@"
