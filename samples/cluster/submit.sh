#!/usr/bin/env bash
# submit.sh TASKS MODEL IMAGES OUT [options of 'timm-features extract']: the job array and, when all of it is done, the merge step. Prints both jobs' numbers.
set -euo pipefail
[ $# -ge 4 ] || { echo "Usage: $0 TASKS MODEL IMAGES OUT [options of 'timm-features extract']" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
array=$(sbatch --parsable --array="0-$(($1 - 1))" "$here/extract.sbatch" "${@:2}")
merge=$(sbatch --parsable --dependency="afterok:$array" --kill-on-invalid-dep=yes "$here/merge.sbatch" "$4")
echo "$array $merge"
