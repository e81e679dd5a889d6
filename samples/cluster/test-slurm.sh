#!/usr/bin/env bash
# Runs the job array for real on a one-node cluster: one task is killed in the middle, another gets the signal of a time limit; both are queued again, and the merged file is,
# byte for byte, what one process writes. Takes about a minute; needs root and Debian's slurm-wlm and munge.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap '"$here/one-node-slurm.sh" stop "$work/slurm"; rm -rf "$work"' EXIT

[ -f "$root/artifacts/bin/Cli/release/timm-features.dll" ] || dotnet build "$root/src/Cli" -c Release -v quiet -clp:ErrorsOnly
# The tool as it would be installed; it notes its process, to be killed.
mkdir "$work/bin" "$work/pids"
cat >"$work/bin/timm-features" <<TOOL
#!/bin/bash
echo \$\$ >"$work/pids/\${SLURM_ARRAY_TASK_ID:-none}.\${SLURM_RESTART_COUNT:-0}"
exec dotnet "$root/artifacts/bin/Cli/release/timm-features.dll" "\$@"
TOOL
chmod +x "$work/bin/timm-features"
export PATH="$work/bin:$PATH" TIMM_FEATURES_OFFLINE=1 DOTNET_NOLOGO=1
export SLURM_CONF
SLURM_CONF=$("$here/one-node-slurm.sh" start "$work/slurm")

cd "$work"
images="$root/samples/textures" model=(resnet18 "$root/samples/textures")
timm-features extract "${model[@]}" --random-weights -o one/features.parquet

read -r array merge < <("$here/submit.sh" 4 "${model[@]}" "$work/many/features.parquet" --random-weights --batch 4)
echo "Job array $array, merge $merge"

# Waits until a task has written down images, so that it is in the middle.
middle() {
  local journal="$work/many/features-0000$1-of-00004.parquet.partial"
  for _ in $(seq 600); do
    [ -f "$journal" ] && [ "$(stat -c %s "$journal")" -gt 20000 ] && return
    sleep 0.05
  done
  echo "Task $1 did not get to the middle." >&2
  exit 1
}
middle 0
kill -KILL "$(cat "$work/pids/0.0")"
echo "Killed the tool of task 0 in the middle."
middle 1
# Where the task is done before scancel has its answer, scancel tries again, and would signal the next run too.
timeout 3 scancel --signal=TERM --batch "$(squeue -h -j "${array}_1" -o %A)" || true
echo "Sent task 1 the signal of a time limit."

for _ in $(seq 1200); do
  [ -z "$(squeue -h -j "$array,$merge" -o %T 2>/dev/null)" ] && break
  sleep 0.1
done
tail -n 3 features-*.log
grep -q 'ended with 137; it is queued again' features-0.log
grep -q 'ended with 143; it is queued again' features-1.log
[ -f "$work/pids/0.1" ] && [ -f "$work/pids/1.1" ]
cmp one/features.parquet many/features.parquet
cmp one/features.parquet.report.json many/features.parquet.report.json
echo "The merged file is that of one machine, byte for byte: $(stat -c %s many/features.parquet) bytes of $(find "$images" -name '*.jpg' | wc -l) images."
