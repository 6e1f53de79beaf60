# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# A Linux guest under memory pressure whose snapshots are compared, page by page, with what was in it.

# shellcheck source=SCRIPTDIR/guest.bash
. "$(dirname "${BASH_SOURCE[0]}")/guest.bash"

# compare_snapshots complete|mixed ext4|xfs: fifty snapshots in a row on such a file system, ten of them restored
compare_snapshots() {
  local place=$scratch/$2 log
  mkdir -p "$place"
  if [ "$2" = xfs ]; then
    truncate -s 12G /srv/xfs.img
    mkfs.xfs -q -m reflink=1 /srv/xfs.img
    mount -o loop /srv/xfs.img "$place"
    # shellcheck disable=SC2064 # the place is known now
    trap "umount '$place'; rm /srv/xfs.img" EXIT
  fi
  G_DEBUG=fatal-warnings "$(dirname "${BASH_SOURCE[0]}")/../../page-compare" "$1" "$guests" "$place" 160 50 10 \
    "$cmdline openvmm.load=burn,files,pressure openvmm.block=4"
  for log in "$place"/*.log; do
    check_console "$log"
  done
}
