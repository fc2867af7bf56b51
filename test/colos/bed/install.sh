#!/usr/bin/env bash
# Installs what the beds of Cassandra, Elasticsearch and the colos run on, on Debian, as root: their Javas, Maven,
# HAProxy, network tools. Starts nothing; may be run again. The servers themselves come from Maven (`fetch` of each bed).
set -euo pipefail

packages=()
need() { command -v "$1" >/dev/null || packages+=("$2"); }
# Both are where a login's PATH may not lead.
PATH=$PATH:/usr/sbin:/sbin
need ip iproute2
need nsenter util-linux
need haproxy haproxy
need mvn maven
need openssl openssl

# Whether a JDK is there whose version is one of $1 to $2: as the beds look for it.
has_jdk() {
  local release version
  for release in "${JAVA_HOME:-/usr/lib/jvm/none}/release" /usr/lib/jvm/*/release; do
    version=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$release" 2>/dev/null) || continue
    if [ -n "$version" ] && [ "$version" -ge "$1" ] && [ "$version" -le "$2" ]; then return 0; fi
  done
  return 1
}
if [ -z "${MUSTER_CASSANDRA_JAVA_HOME:-}" ] && ! has_jdk 17 17; then
  packages+=(openjdk-17-jdk-headless)
fi
newer=
if [ -z "${MUSTER_ELASTICSEARCH_JAVA_HOME:-}" ] && ! has_jdk 21 999; then newer=wanted; fi

if [ "${#packages[@]}" -eq 0 ] && [ -z "$newer" ]; then
  echo "installed already"
  exit 0
fi

export DEBIAN_FRONTEND=noninteractive
apt=(apt-get -qq -o DPkg::Lock::Timeout=900 -o Acquire::Retries=5)
"${apt[@]}" update
if [ -n "$newer" ]; then
  # Which one there is depends on the release; the oldest has none.
  found=
  for version in 25 21; do
    if apt-cache show "openjdk-$version-jdk-headless" >/dev/null 2>&1; then found=$version && break; fi
  done
  if [ -z "$found" ]; then
    echo "no JDK 21 or later is packaged here: name one in MUSTER_ELASTICSEARCH_JAVA_HOME" >&2
    exit 1
  fi
  packages+=("openjdk-$found-jdk-headless")
fi
"${apt[@]}" install -y --no-install-recommends "${packages[@]}" >/dev/null
dpkg-query -W -f '${Package} ${Version}\n' "${packages[@]}"
