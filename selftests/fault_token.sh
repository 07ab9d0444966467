#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# guest: --memory 1G
# The claim: a token may fail in whatever way, or go away and come back: no
# wrong byte reaches the disk or a reader.  When all tokens lie, I/O fails, and
# the log says why.
# shellcheck disable=SC2317 # called by check
. "$(dirname -- "$0")/common.sh"
. "$here/load.sh"

needs_load
needs_no_paesd
use_badtoken
needs_volumes
times=$((full ? 20 : 2))
tokens=/var/lib/softhsm/tokens

# fails_sometimes FAULT PATTERN-IN-LOG
fails_sometimes() {
	local n failed
	failed=$(stat failed)
	: >"$work/paesd.log"
	load_start
	for ((n = 0; n < times; n++)); do
		fail_once "$1"
		load_moves
	done
	load_stop
	load_verify_raw
	(($(stat failed) == failed))
	becomes_true 30 all_serve
	grep -aqE "$2" "$work/paesd.log" || {
		cat "$work/paesd.log"
		return 1
	}
}

# Its own second try must not be believed either.
logs_clearly() {
	log_since | grep -qE 'see (its|paesd.s) log' && grep -aqE "$1" "$work/paesd.log" && return
	log_since | tail -n 20
	tail -n 20 "$work/paesd.log"
	return 1
}

# fails_always FAULT PATTERN-IN-LOG
fails_always() {
	local device
	[[ -e /dev/mapper/paes_test_a ]] || load_open_with paes blob
	device=$(<"$work/a.device")
	mark_log
	: >"$work/paesd.log"
	dd if="$device" bs=64k count=1 iflag=direct status=none of="$work/before"
	set_parameter hold_seconds 15
	printf '%s\n' "$1" >"$PAES_BADTOKEN/always"
	fails_with 'input/output error' dd if=/dev/zero bs=64k count=1 oflag=direct \
		conv=fsync of=/dev/mapper/paes_test_a
	fails_with 'input/output error' dd if=/dev/mapper/paes_test_a bs=64k \
		count=1 iflag=direct status=none of="$work/read"
	[[ ! -s $work/read ]]
	rm "$PAES_BADTOKEN/always"
	set_parameter hold_seconds 300
	dd if="$device" bs=64k count=1 iflag=direct status=none | cmp - "$work/before"
	logs_clearly "$2"
	load_start
	load_stop
}

token_goes_away() {
	local logins failed
	failed=$(stat failed)
	becomes_true 30 all_serve
	load_start
	mv "$tokens" "$tokens.away"
	pkill -KILL -x paesd-worker
	logins=$(wc -l <"$PAES_BADTOKEN/logins")
	sleep 30
	(($(wc -l <"$PAES_BADTOKEN/logins") == logins))
	load_goes_on
	mv "$tokens.away" "$tokens"
	load_moves
	becomes_true 30 all_serve
	(($(wc -l <"$PAES_BADTOKEN/logins") == logins + 2))
	load_stop
	load_verify_raw
	(($(stat failed) == failed))
}

plan 13
lost='token "paes" is lost'
check "calls fail now and then" fails_sometimes error CKR_DEVICE_ERROR
for fault in garbage untouched shifted; do
	check "answers $fault now and then" fails_sometimes "$fault" "$lost"
done
check "answers too little now and then" fails_sometimes short 'expected .* bytes, got'
check "exits now and then" fails_sometimes exit "exited with 5"
check "is killed by a fault of its own now and then" fails_sometimes segfault \
	"killed by signal 11"
for fault in error garbage untouched segfault exit; do
	check "$fault is all that it answers" fails_always "$fault" \
		"$lost|failed twice|killed by signal 11|exited with 5"
done
check "the token goes away and comes back" token_goes_away
end_paesd
finish
