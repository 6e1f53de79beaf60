# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The service, driven by busctl alone. A test sets bus=--user to use the session bus instead.

bus=${bus:---system}
service=org.openvmm.Manager

# busctl gives up after 25 s, which is little in a machine in software emulation
call() {
  busctl "$bus" --timeout=600 call "$service" "$@"
}

manager() {
  call /org/openvmm/Manager org.openvmm.Manager "$@"
}

# vm NAME METHOD ARGUMENT...: the names that tests use need no escaping
vm() {
  call "/org/openvmm/vm/$1" org.openvmm.VM "${@:2}"
}

# property NAME PROPERTY: its value alone
property() {
  busctl "$bus" get-property "$service" "/org/openvmm/vm/$1" org.openvmm.VM "$2" |
    sed -e 's/^[a-z]* //' -e 's/^"\(.*\)"$/\1/'
}

# snapshot_property PATH PROPERTY
snapshot_property() {
  busctl "$bus" get-property "$service" "$1" org.openvmm.Snapshot "$2" | sed 's/^[a-z]* //'
}

# error_of COMMAND...: the name of the error that it ends in, as gdbus tells it; fails if it does not fail
error_of() {
  local text
  ! text=$("$@" 2>&1) || return 1
  echo "$text"
}

# wait_for SECONDS COMMAND...: tries twice a second until it succeeds
wait_for() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    if [ $SECONDS -ge $end ]; then
      echo "waited in vain for: $*" >&2
      return 1
    fi
    sleep 0.5
  done
}

state_is() {
  [ "$(property "$1" State)" = "$2" ]
}

# expect WHAT FOUND EXPECTED
expect() {
  if [ "$2" != "$3" ]; then
    echo "$1 is '$2', expected '$3'" >&2
    return 1
  fi
  echo "$1 is '$2'"
}
