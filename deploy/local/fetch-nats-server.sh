#!/bin/sh
# Fetches nats-server from the Debian mirror that this machine's apt is set up for, into FOLDER/nats-server.
#
#   fetch-nats-server.sh FOLDER LOWEST_VERSION [SUITE...]
#
# Needs no root and changes nothing outside FOLDER: apt gets lists, cache and sources of its own in there. Mirrors are
# taken from the machine's settings, none is named here. Packages are verified by apt against Debian's archive keys.
# Exit code: 0 fetched, 2 usage, 3 no apt (or no sources) here, 4 no suite has a version that is new enough.
set -eu

[ $# -ge 2 ] || { echo "usage: $0 FOLDER LOWEST_VERSION [SUITE...]" >&2; exit 2; }
folder=$1
lowest=$2
shift 2
[ $# -gt 0 ] || set -- forky sid

for tool in apt-get apt-cache dpkg dpkg-deb; do
  command -v "$tool" >/dev/null 2>&1 || { echo "there is no $tool here" >&2; exit 3; }
done

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
private=$(mktemp -d "$folder/apt.XXXXXX")
trap 'rm -rf "$private"' EXIT
trap 'exit 130' INT TERM HUP
mkdir -p "$private/state/lists/partial" "$private/cache/archives/partial" "$private/nothing"
: > "$private/state/status"

cat > "$private/apt.conf" <<SETTINGS
Dir::State "$private/state";
Dir::State::Lists "$private/state/lists";
Dir::State::Status "$private/state/status";
Dir::Cache "$private/cache";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "$private/nothing";
APT::Sandbox::User "$(id -un)";
Acquire::Languages "none";
Acquire::Retries "1";
Acquire::http::Timeout "15";
Acquire::https::Timeout "15";
Debug::NoLocking "1";
SETTINGS
export APT_CONFIG="$private/apt.conf"

# The machine's apt.conf.d is read after APT_CONFIG: what it must not loosen goes on the command line.
strict="-o Acquire::AllowInsecureRepositories=false -o Acquire::AllowWeakRepositories=false"
strict="$strict -o Acquire::AllowDowngradeToInsecureRepositories=false -o APT::Get::AllowUnauthenticated=false"

# apt reads its own sources, of both formats, and names every index it would fetch, without fetching it.
mirrors=$(apt-get update --print-uris 2>/dev/null |
  sed -n "s|^'\(.*\)/dists/[^ ]*InRelease'.*|\1|p" | grep -v -e '-security$' | sort -u || true)
[ -n "$mirrors" ] || { echo "apt has no sources here" >&2; exit 3; }

signed_by=
for keyring in /usr/share/keyrings/debian-archive-keyring.pgp /usr/share/keyrings/debian-archive-keyring.gpg; do
  if [ -r "$keyring" ]; then
    signed_by="Signed-By: $keyring"
    break
  fi
done

private_apt() {
  command=$1
  shift
  # shellcheck disable=SC2086 # a list of options
  "$command" -q=2 $strict -o Dir::Etc::SourceList="$private/one.sources" -o Dir::Etc::SourceParts="$private/nothing" "$@"
}

for suite in "$@"; do
  for mirror in $mirrors; do
    printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\n%s\n' "$mirror" "$suite" "$signed_by" \
      > "$private/one.sources"
    # Without --error-on=any an update that fetched nothing still counts as done.
    private_apt apt-get --error-on=any update >/dev/null 2>"$private/error" || {
      echo "$suite: not to be had from apt's mirror" >&2
      continue
    }
    version=$(private_apt apt-cache show nats-server 2>/dev/null | sed -n 's/^Version: //p' | head -n 1)
    if [ -z "$version" ] || ! dpkg --compare-versions "$version" ge "$lowest"; then
      echo "$suite: has nats-server ${version:-not at all}, needed is $lowest" >&2
      continue
    fi
    (cd "$private" && private_apt apt-get download nats-server >/dev/null) || continue
    dpkg-deb -x "$private"/nats-server_*.deb "$private/package"
    mv "$private/package/usr/sbin/nats-server" "$folder/nats-server"
    exit 0
  done
done
exit 4
