#!/usr/bin/env bash
# Installs Prometheus and Alertmanager on Debian 12, as root. Starts nothing; may be run again.
set -euo pipefail

packages=(prometheus prometheus-alertmanager)

if dpkg -s "${packages[@]}" >/dev/null 2>&1; then
  echo "installed already"
  exit 0
fi

# Packages ask this file before they start a daemon: 101 means no.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
fi

export DEBIAN_FRONTEND=noninteractive
apt=(apt-get -qq -o DPkg::Lock::Timeout=900 -o Acquire::Retries=5)
"${apt[@]}" update
# Recommended packages bring exporters, which would listen on all addresses.
"${apt[@]}" install -y --no-install-recommends "${packages[@]}" >/dev/null
dpkg-query -W -f '${Package} ${Version}\n' "${packages[@]}"
