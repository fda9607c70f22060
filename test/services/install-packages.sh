#!/bin/sh
# Installs Debian packages without letting them start a daemon or make a database cluster of their own, and prints the
# last error. It goes on to the end when its caller is killed, and takes away what it laid over the configuration.
set -u
policy=/usr/sbin/policy-rc.d
kept=$policy.before-peregrine
cluster=/etc/postgresql-common/createcluster.d/peregrine.conf
log=$(mktemp)

restore() {
  rm -f "$cluster" "$log"
  if [ -n "${replaced-}" ]; then
    rm -f "$policy"
    if [ -e "$kept" ]; then mv "$kept" "$policy"; fi
  fi
}
trap restore EXIT
trap '' INT TERM HUP

if [ ! -x "$policy" ] || { "$policy" redis-server start >/dev/null 2>&1; [ $? -ne 101 ]; }; then
  if [ -e "$policy" ]; then mv "$policy" "$kept"; fi
  replaced=yes
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi
mkdir -p "${cluster%/*}"
echo 'create_main_cluster = false' >"$cluster"

export DEBIAN_FRONTEND=noninteractive
{
  dpkg --configure -a
  # Old lists may do as well: what decides is whether the packages can be installed.
  apt-get update -q
  apt-get install -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@"
} >"$log" 2>&1 </dev/null
grep '^E: ' "$log" | tail -n 1
