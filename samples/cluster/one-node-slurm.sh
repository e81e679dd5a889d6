#!/usr/bin/env bash
# one-node-slurm.sh start|stop FOLDER: a Slurm cluster of this machine alone, for tests, from Debian's packages (apt-get install slurm-wlm munge). All it writes is in FOLDER.
# Commands such as sbatch find it by 'export SLURM_CONF=FOLDER/slurm.conf'. Run it as root.
set -euo pipefail
[ $# = 2 ] || { echo "Usage: $0 start|stop FOLDER" >&2; exit 2; }
folder=$(realpath -m "$2")
export SLURM_CONF="$folder/slurm.conf"

start() {
  for program in munged slurmctld slurmd sbatch; do
    command -v "$program" >/dev/null || { echo "'$program' is missing: apt-get install slurm-wlm munge" >&2; exit 1; }
  done
  mkdir -p "$folder"/{spool,state}
  chmod 755 "$folder"
  head -c 128 /dev/urandom >"$folder/munge.key"
  chmod 400 "$folder/munge.key"
  # cred_expire: a job that is queued again waits so many seconds at least. Plain processes in place of control groups: those are not to be had in containers.
  cat >"$SLURM_CONF" <<CONF
ClusterName=one
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=26817
SlurmdPort=26818
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket,cred_expire=5
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=0,batch_sched_delay=0
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
KillWait=5
JobRequeue=1
NodeName=$(hostname -s) NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
  munged --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" --pid-file="$folder/munged.pid" --log-file="$folder/munged.log" --seed-file="$folder/munged.seed"
  slurmctld
  slurmd
  for _ in $(seq 100); do
    [ "$(sinfo -h -o %T 2>/dev/null)" = idle ] && { echo "$SLURM_CONF"; return; }
    sleep 0.2
  done
  echo "The node is not ready: $(sinfo -h -o %T 2>&1); see $folder/slurmctld.log and $folder/slurmd.log" >&2
  exit 1
}

stop() {
  for name in slurmd slurmctld munged; do
    [ -f "$folder/$name.pid" ] || continue
    local pid
    pid=$(cat "$folder/$name.pid")
    kill "$pid" 2>/dev/null || continue
    while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
  done
}

case "$1" in
  start) start ;;
  stop) stop ;;
  *) echo "Unknown command '$1'; valid are start and stop." >&2; exit 2 ;;
esac
