# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The Linux guest of tests/guests/linux, as a VM of the service.

# shellcheck source=SCRIPTDIR/bus.bash
. "$(dirname "${BASH_SOURCE[0]}")/bus.bash"

guests=${guests:-/srv/guest}
kernel=${kernel:-$guests/vmlinuz}

# where the service may write; each test begins with it empty
scratch=${scratch:-/var/lib/openvmm/lab}
if [ "$(id -u)" -eq 0 ]; then
  install -d -o openvmm -g openvmm "$scratch"
else
  mkdir -p "$scratch"
fi

# noxsave: the emulated processor does not tell KVM when a guest of KVM sets XCR0
cmdline='console=ttyS0 quiet pci=off noxsave'

# create_guest NAME MIB VPS [WORD...]: defines it; WORDs go on its command line; its console goes to NAME.log
create_guest() {
  local name=$1 mib=$2 vps=$3
  shift 3
  manager CreateVM 'sa{sv}' "$name" 7 \
    kernel s "$kernel" \
    initrd s "$guests/initrd" \
    cmdline s "$cmdline${*:+ $*}" \
    memory-size t $((mib << 20)) \
    vp-count u "$vps" \
    memory-file s "$scratch/$name.ram" \
    console-log s "$scratch/$name.log"
}

# start_guest NAME ...: as create_guest, and returns when the guest counts
start_guest() {
  create_guest "$@"
  vm "$1" Start 'a{sv}' 0
  wait_for_count "$scratch/$1.log" 10
}

save() {
  if ! vm "$1" SaveSnapshot 'sa{sv}' "$scratch/$2" 0; then
    tell_state >&2
    return 1
  fi
}

# restore_guest NAME SNAPSHOT: as a new VM, with a console log of its own
restore_guest() {
  manager RestoreVM 'ssa{sv}' "$1" "$scratch/$2" 1 console-log s "$scratch/$1.log"
}

last_count() {
  local number
  number=$(tr -d '\r' <"$1" | sed -n 's/^count \([0-9]*\) [0-9.]*$/\1/p' | tail -n 1)
  echo "${number:-0}"
}

count_is_past() {
  [ "$(last_count "$1")" -ge "$2" ]
}

# what KVM does for the VPs that run, in a tenth of a second
trace_kvm() {
  local tracing=/sys/kernel/tracing
  [ -w $tracing/tracing_on ] || return 0
  echo >$tracing/trace
  echo 1 >$tracing/events/kvm/enable
  sleep 0.1
  echo 0 >$tracing/events/kvm/enable
  tail -n 60 $tracing/trace
}

# what the service thinks of its VMs, and what its threads do
tell_state() {
  local name task
  echo
  for name in $(manager ListVMs | grep -o '/vm/[a-z0-9]*' | sed 's|/vm/||'); do
    echo "$name: $(property "$name" State), $(property "$name" StateReason)"
  done
  for task in "/proc/$(pidof openvmmd)/task/"*; do
    echo "$(cat "$task/comm"): $(awk '{ print $3, $14 + $15 }' <(sed 's/(.*)/-/' "$task/stat")) $(head -n 4 "$task/stack" | tr '\n' ' ')"
  done
  trace_kvm
}

# wait_for_count LOG NUMBER: until the guest has counted that far
wait_for_count() {
  if ! wait_for 240 count_is_past "$1" "$2"; then
    echo "the end of $1:" >&2
    tail -n 30 "$1" >&2
    tell_state >&2
    return 1
  fi
}

# wait_for_more LOG NUMBER: until it has counted so many more; the log of a guest just restored is empty at first
wait_for_more() {
  wait_for_count "$1" 1
  wait_for_count "$1" $(($(last_count "$1") + $2))
}

check_console() {
  python3 "$(dirname "${BASH_SOURCE[0]}")/check-console" "$@"
}

sums() {
  (cd "$scratch/$1" && sha256sum -- *)
}
