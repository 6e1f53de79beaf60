# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What mmdebstrap must know of how apt is set up on this machine.

# the sources of Debian that apt uses here, whatever mirror they are on: lines for sources.list
apt_sources() {
  # shellcheck disable=SC2016 # apt fills these in
  apt-get indextargets --format '$(ORIGIN)|deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    sed -n 's/^Debian|//p' | sort -u
}

# apt_proxies: a --aptopt for each
apt_proxies() {
  apt-config dump --format '%f "%v";%n' | grep -E '^Acquire::(http|https|ftp)::Proxy' | sed 's/^/--aptopt=/' || true
}

debian_codename() {
  # shellcheck disable=SC1091 # of the machine
  (. /etc/os-release && echo "$VERSION_CODENAME")
}
