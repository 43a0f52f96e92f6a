#!/usr/bin/env bash
# Ends the Slurm that start_slurm.sh started, with its jobs, and removes its folder. Does nothing where there is none.
set -euo pipefail
here=/run/hepsieve-slurm
[ -d "$here" ] || exit 0
export SLURM_CONF="$here/slurm.conf"
if [ -f "$here/slurmctld.pid" ]; then
  timeout 5 scancel --state=PENDING,RUNNING --partition=tests >/dev/null 2>&1 || true
fi
for daemon in slurmd slurmctld munged; do
  pid=$(cat "$here/$daemon.pid" 2>/dev/null || true)
  # A number that a killed daemon left behind may be somebody else's by now.
  if [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$daemon" ]; then
    kill "$pid"
    for _ in $(seq 50); do [ -d "/proc/$pid" ] || break; sleep 0.1; done
  fi
done
rm -rf "$here"
