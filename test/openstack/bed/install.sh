#!/usr/bin/env bash
# Installs the OpenStack packages that the bed runs, on Debian 12, as root. Starts nothing; may be run again.
# MUSTER_BED_WITH=senlin installs Senlin too.
set -euo pipefail

packages=(
  mariadb-server-core mariadb-client-core rabbitmq-server memcached
  uwsgi-core uwsgi-plugin-python3 openssl python3
  keystone nova-api nova-conductor nova-scheduler
  glance-common placement-common neutron-common octavia-common
)
[ "${MUSTER_BED_WITH:-}" != senlin ] || packages+=(senlin-common)

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
for name in keystone nova glance placement neutron octavia senlin; do
  for package in "$name" "$name-common"; do
    echo "$package $name/configure_db boolean false" | debconf-set-selections
  done
done

apt=(apt-get -qq -o DPkg::Lock::Timeout=900 -o Acquire::Retries=5)
"${apt[@]}" update
# Recommended packages bring libvirt, QEMU and a mail server.
"${apt[@]}" install -y --no-install-recommends -o Dpkg::Options::=--force-confold "${packages[@]}" >/dev/null
dpkg-query -W -f '${Package} ${Version}\n' "${packages[@]}"
