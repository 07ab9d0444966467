#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The claim: the session token that the module shows with each request changes
# as paesd is told, under load and without a request lost; and a recorded one is
# of no use to anybody once the next was shown.
# shellcheck disable=SC2317 # called by check
. "$(dirname -- "$0")/common.sh"
. "$here/load.sh"

needs_load
has jq replay
needs_no_paesd
[[ -e /etc/paes/paes.json ]] || skip_all "needs a configured token"

# serve_with WORKERS ROTATE
serve_with() {
	[[ ! $paesd ]] || end_paesd
	jq ".tokens[0].workers = $1 | .tokens[0].rotate = $2" /etc/paes/paes.json \
		>"$work/paes.json"
	paesd_options=(--config "$work/paes.json")
	start_paesd
}

rotated_beyond() {
	(($(stat rotated) > $1))
}

# Each worker gives its own.
changes_under_load() {
	local rotated stale failed
	rotated=$(stat rotated) stale=$(stat stale) failed=$(stat failed)
	load_start
	becomes_true 300 rotated_beyond $((rotated + $1))
	load_stop
	note "$(($(stat rotated) - rotated)) session tokens in $(wc -l <"$work/load.passes") passes of fio"
	(($(stat stale) == stale && $(stat failed) == failed))
	load_verify_raw
}

# A worker that dies takes its tokens with it; its successor has its own.
changes_as_workers_die() {
	local stale failed n
	stale=$(stat stale) failed=$(stat failed)
	load_start
	for ((n = 0; n < 5; n++)); do
		becomes_true 30 all_serve
		kill -9 "$(workers | shuf -n 1)"
		load_moves
	done
	load_stop
	(($(stat stale) == stale && $(stat failed) == failed))
	load_verify_raw
}

write_sectors() {
	dd if=/dev/urandom of=/dev/mapper/paes_test_a bs=512 count="$1" oflag=direct \
		status=none
	udevadm settle # which reads the volume now, by the worker that is watched
}

# Of the worker; one that was caught loses its connection and is replaced.
worker() {
	becomes_true 30 serving
	workers
}

# replayed DESCRIPTOR ANSWER: and the volume works on.
replayed() {
	local found
	found=$(replay send "$(worker)" <"$1")
	[[ $found == "$2" ]] || {
		echo "expected '$2', found '$found'"
		return 1
	}
	write_sectors 1
	becomes_true 30 serving
}

# Else the next case would pass whatever happens.
current_token_works() {
	write_sectors 1
	replay record "$(worker)" >"$work/current"
	replayed "$work/current" "0 changed"
}

recorded_token_is_useless() {
	local rotated
	rotated=$(stat rotated)
	write_sectors 1
	replay record "$(worker)" >"$work/recorded"
	write_sectors 20
	(($(stat rotated) > rotated))
	: >"$work/paesd.log"
	replayed "$work/recorded" "ESTALE untouched"
	grep -q 'a session token that is dead' "$work/paesd.log"
}

# Another worker's, or that of the connection before.
token_of_another_session_is_useless() {
	write_sectors 1
	replay record "$(worker)" >"$work/recorded"
	kill -9 "$(worker)"
	write_sectors 1
	replayed "$work/recorded" "ESTALE untouched"
}

set -e
serve_with 2 '{ "requests": 1 }'
load_open
set +e
plan 6
check "changes with each batch" changes_under_load 1000
check "... and as workers die" changes_as_workers_die
serve_with 2 '{ "seconds": 1 }'
check "changes by the second" changes_under_load 3
serve_with 1 '{ "requests": 8 }'
check "a descriptor that is sent anew is served" current_token_works
check "... but not when its token is dead" recorded_token_is_useless
check "... or another session's" token_of_another_session_is_useless
end_paesd
finish
