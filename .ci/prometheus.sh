#!/usr/bin/env bash
# Installs Prometheus and promtool on a Debian machine that has none (as root): tests that need them skip without.
set -euo pipefail
command -v prometheus >/dev/null && command -v promtool >/dev/null && exit 0
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends prometheus >/dev/null
