#!/bin/sh
# Installs the system packages that slow tests use, where it can (Debian, root). Tests that miss one say so.
set -u
want=""
command -v chromium >/dev/null 2>&1 || want="$want chromium"
command -v mariadbd >/dev/null 2>&1 || [ -x /usr/sbin/mariadbd ] || want="$want mariadb-server"
[ -d /usr/share/fonts/opentype/noto ] || [ -d /usr/share/fonts/truetype/noto ] || want="$want fonts-noto-core"
[ -n "$want" ] || exit 0
if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" != 0 ]; then
  echo "Missing for some slow tests:$want. Install them with your system's package manager." >&2
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive
echo "Installing$want"
apt-get update -qq >/dev/null 2>&1
# shellcheck disable=SC2086
apt-get install -qq -y --no-install-recommends $want >/dev/null 2>&1 ||
  echo "apt-get could not install$want; the tests that need them will say so." >&2
exit 0
