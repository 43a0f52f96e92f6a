#!/usr/bin/env bash
# A real Slurm of one node on this machine (Debian, as root), for the tests: in a folder of its own, with ports and keys
# of its own, so that it meddles with no other Slurm. Where it runs already, it is left as it is.
# Exit status 77: it can't run here, and the one line says why.
set -euo pipefail
here=/run/hepsieve-slurm
export SLURM_CONF="$here/slurm.conf"

cannot() {
  echo "no Slurm here: $1" >&2
  exit 77
}

[ "$(id -u)" = 0 ] || cannot "it is started by root only"

answers() {
  [ -f "$SLURM_CONF" ] && timeout 5 sinfo --noheader --format=%T 2>/dev/null | grep -qE '^(idle|mixed|allocated)$'
}

if answers; then
  echo "Slurm runs already; its configuration: $SLURM_CONF"
  exit 0
fi
if ! { command -v slurmctld && command -v slurmd && command -v munged; } >/dev/null; then
  command -v apt-get >/dev/null || cannot "neither slurmctld, slurmd and munged nor an apt-get that could install them"
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    slurm-wlm munge; } >/dev/null 2>&1 || cannot "apt-get can't install slurm-wlm and munge"
fi

"$(dirname "$0")/stop_slurm.sh" # what an earlier one has left
umask 022
mkdir -p "$here"/{state,spool,log}
chmod 700 "$here/state"
(umask 077 && head -c 1024 /dev/urandom >"$here/munge.key")
host=$(hostname -s)
cat >"$SLURM_CONF" <<CONF
ClusterName=hepsieve
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=26817
SlurmdPort=26818
AuthType=auth/munge
AuthInfo=socket=$here/munge.socket
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser=root
SlurmctldPidFile=$here/slurmctld.pid
SlurmdPidFile=$here/slurmd.pid
SlurmctldLogFile=$here/log/slurmctld.log
SlurmdLogFile=$here/log/slurmd.log
StateSaveLocation=$here/state
SlurmdSpoolDir=$here/spool
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0,sched_interval=2
ReturnToService=2
KillWait=3
# The jobs of the tests are small: four at a time, whatever the machine has.
SlurmdParameters=config_overrides
NodeName=$host NodeAddr=127.0.0.1 CPUs=4 RealMemory=16000 State=UNKNOWN
PartitionName=tests Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF

failed() {
  why=$(grep -hiE 'error|fatal' "$here"/log/* | tail -n 1 || true)
  "$(dirname "$0")/stop_slurm.sh"
  cannot "$1${why:+ ($why)}"
}

munged --force --socket="$here/munge.socket" --key-file="$here/munge.key" --pid-file="$here/munged.pid" \
  --log-file="$here/log/munged.log" --seed-file="$here/munged.seed" 2>"$here/log/munged.err" || failed "munged does not start"
slurmctld 2>"$here/log/slurmctld.err" || failed "slurmctld does not start"
slurmd 2>"$here/log/slurmd.err" || failed "slurmd does not start"
for _ in $(seq 100); do
  if answers; then
    echo "Slurm runs; its configuration: $SLURM_CONF"
    exit 0
  fi
  sleep 0.2
done
failed "it was started and does not answer"
