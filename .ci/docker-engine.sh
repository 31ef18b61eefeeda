#!/usr/bin/env bash
# Makes a Docker engine available on a Debian machine that has none (as root): installs it, starts it, waits for it.
# Does nothing if one answers already. The engine keeps running.
set -euo pipefail
docker info >/dev/null 2>&1 && exit 0
if ! command -v dockerd >/dev/null || ! command -v debootstrap >/dev/null; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends docker.io iptables debootstrap >/dev/null
fi
setsid dockerd >/var/log/dockerd.log 2>&1 </dev/null &
for _ in $(seq 300); do docker info >/dev/null 2>&1 && exit 0; sleep .1; done
echo "error: dockerd did not come up: see /var/log/dockerd.log" >&2
exit 1
