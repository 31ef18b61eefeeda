#!/usr/bin/env bash
# Installs Chromium on a Debian machine that has none (as root): tests of the page need it.
set -euo pipefail
command -v chromium >/dev/null && exit 0
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium >/dev/null
