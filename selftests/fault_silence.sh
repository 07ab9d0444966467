#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# guest: --memory 1G
# The claim: nobody waits for ever for who doesn't answer.  A token call that
# never returns, and a worker that is stopped, lose their requests to another
# worker and are replaced; with no broker at all requests fail when the time is
# over, not before, and the volume works again when there is one.
# shellcheck disable=SC2317 # called by check
. "$(dirname -- "$0")/common.sh"
. "$here/load.sh"

needs_load
needs_no_paesd
use_badtoken
needs_volumes
disown "$paesd" # no word of its death
times=$((full ? 10 : 1))

lost() {
	! grep -q " $1 serving " /sys/kernel/debug/paes/providers
}

is_gone() {
	! kill -0 "$1"
} 2>/dev/null

# Under load COMMAND, which makes a worker fall silent and prints its pid.
silence() {
	local n silent overdue failed invalid
	set_parameter request_seconds 5
	failed=$(stat failed) invalid=$(stat invalid)
	load_start
	for ((n = 0; n < times; n++)); do
		becomes_true 60 all_serve
		overdue=$(stat overdue)
		silent=$("$@")
		becomes_true 60 lost "$silent"
		grew overdue "$overdue"
		load_moves
		[[ $1 != stop_for_a_while ]] || kill -CONT "$silent"
		becomes_true 60 is_gone "$silent"
	done
	becomes_true 60 all_serve
	load_stop
	load_verify_raw
	load_pauses "$1"
	set_parameter request_seconds 90
	(($(stat failed) == failed && $(stat invalid) == invalid))
}

# The one that hangs writes its pid before.
hang() {
	fail_once hang
	becomes_true 10 test -s "$PAES_BADTOKEN/hangs" >&2
	cat "$PAES_BADTOKEN/hangs"
	rm "$PAES_BADTOKEN/hangs"
}

stop() {
	local all victim
	mapfile -t all < <(workers)
	victim=${all[RANDOM % ${#all[@]}]}
	kill -STOP "$victim"
	echo "$victim"
}

stop_for_a_while() {
	stop
}

milliseconds() {
	local start=${EPOCHREALTIME/./}
	"$@" || return
	echo $(((${EPOCHREALTIME/./} - start) / 1000))
}

write_fails() {
	fails_with 'input/output error' dd if=/dev/zero bs=4k count=4 \
		oflag=direct of=/dev/mapper/paes_test_a
}

# holds_for SECONDS: and a second, at which the module looks, and some.
holds_for() {
	local took
	set_parameter hold_seconds "$1"
	took=$(milliseconds write_fails)
	note "hold_seconds=$1: failed after $took ms"
	((took >= $1 * 1000 - 100 && took < $1 * 1000 + 6000))
}

nobody_is_there() {
	mark_log
	pkill -KILL -x 'paesd(-worker)?'
	becomes_true 10 no_workers
	holds_for 3
	udevadm settle # whose reads are still held for the old time
	holds_for 0
	log_since | grep -q 'start paesd, then the volume works again'
	set_parameter hold_seconds 300
	start_paesd
	load_start
	load_stop
	load_verify_raw
}

plan 4
check "a token call never returns, $times times" silence hang
check "a worker is stopped for good, $times times" silence stop
check "a worker is stopped for a while, $times times" silence stop_for_a_while
check "nobody is there" nobody_is_there
end_paesd
finish
