#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# guest: --memory 1G
# The claim: neither a clock that jumps nor a processor that comes and goes is
# seen by whoever writes to a volume.
#
#   PAES_FAULT_COUNT  how often each is done (default: 8)
# shellcheck disable=SC2317 # called by check
. "$(dirname -- "$0")/common.sh"
. "$here/load.sh"

needs_load
has taskset
needs_volumes
times=${PAES_FAULT_COUNT:-$((full ? 200 : 8))}
last=/sys/devices/system/cpu/cpu$(($(nproc) - 1))

# Under load COMMAND: no request is overdue, either, and no worker ends.
unnoticed() {
	local overdue workers
	overdue=$(stat overdue)
	workers=$(pgrep -x paesd-worker)
	under_load "$times" "$1"
	[[ $workers == "$(pgrep -x paesd-worker)" ]]
	(($(stat overdue) == overdue))
}

# By days and years, there and back.
jump() {
	local jumps=('+1 day' '-1 day' '+10 years' '-10 years' '+70 seconds' '-70 seconds')
	date -s "${jumps[n % ${#jumps[@]}]}" >/dev/null
}

clock_jumps() {
	local before=$SECONDS now
	now=$(date +%s)
	set_parameter request_seconds 30
	set_parameter hold_seconds 30
	unnoticed jump
	set_parameter request_seconds 90
	set_parameter hold_seconds 300
	date -s "@$((now + SECONDS - before))" >/dev/null
}

offline_online() {
	echo 0 >"$last/online"
	random_sleep 500
	load_moves
	echo 1 >"$last/online"
}

processors_go() {
	local pid
	for pid in $(pgrep -x paesd-worker); do
		taskset -cp "${last##*cpu}" "$pid" >/dev/null
	done
	unnoticed offline_online
}

if [[ -w $last/online ]]; then
	plan 3
	check "the last processor goes and comes, with all workers on it" processors_go
else
	plan 2
fi
check "the clock jumps" clock_jumps
check "nothing was written wrong" load_verify_raw
finish
