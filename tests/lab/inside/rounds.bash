# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash

# shellcheck source=SCRIPTDIR/guest.bash
. "$(dirname "${BASH_SOURCE[0]}")/guest.bash"

sleep_random() {
  sleep "$((RANDOM % 2)).$((RANDOM % 10))$((RANDOM % 10))"
}

kill_service() {
  systemctl kill --signal=KILL openvmmd.service
  sleep 6 # longer than the guest's clock may move over the restore
}

# one_round N: VM guest(N-1) runs; afterwards guestN does, restored from it
one_round() {
  local number=$1 old=guest$(($1 - 1)) new=guest$1 before after
  sleep_random
  before=$(last_count "$scratch/$old.log")
  save "$old" "snapshot$number"
  after=$(last_count "$scratch/$old.log")
  echo "round $number: $(property "$old" LastDowntimeUSec) us frozen"
  wait_for_more "$scratch/$old.log" 5
  kill_service

  restore_guest "$new" "snapshot$number"
  wait_for_more "$scratch/$new.log" 15
  check_console "$scratch/$new.log" "$scratch/$old.log" "$before" "$after"
  check_console "$scratch/$old.log"
  if [ "$number" -gt 1 ]; then
    rm -r "${scratch:?}/snapshot$((number - 1))" # the VM of the last round is gone
  fi
}

# run_rounds COUNT MIB VPS [WORD...]
run_rounds() {
  local count=$1 number
  shift
  start_guest guest0 "$@"
  for ((number = 1; number <= count; number++)); do
    one_round "$number"
  done
  grep -h -c '^sum ok' "$scratch"/guest*.log | awk '{ sum += $1 } END { print sum " sums held"; exit sum == 0 }'
}
