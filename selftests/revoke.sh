#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The claim: `paes revoke` closes one key at once and for good, and no other;
# `paes allow` undoes it, also for volumes that are open.
# shellcheck disable=SC2317 # called by check
. "$(dirname -- "$0")/common.sh"

needs_module
has cryptsetup
has fio
has jq
needs_paesd
[[ $paesd ]] || skip_all "a paesd runs already, and this would restart it"

# Where this leaves a key revoked, others would find it so.
trap 'paes allow "$id" >/dev/null 2>&1; clean_up' EXIT

declare -A disk

# open_volume NAME: on its disk, with the key NAME
open_volume() {
	cryptsetup open --type plain "${xts[@]}" --key-file "$work/$1.blob" \
		"${disk[$1]}" "paes_test_$1"
}

read_volume() {
	timeout 60 dd if="/dev/mapper/paes_test_$1" iflag=direct bs=64k count=4 \
		status=none
}

write_volume() {
	head -c 256k /dev/urandom >"$work/$1.data"
	dd if="$work/$1.data" of="/dev/mapper/paes_test_$1" oflag=direct bs=64k \
		status=none
}

reads_back() {
	read_volume "$1" | cmp - "$work/$1.data"
}

# At once: nothing is held, which would take 300 s.
fails_at_once() {
	local start=$SECONDS
	fails_with 'input/output error' read_volume "$1"
	((SECONDS - start < 20)) || {
		echo "expected an error at once, found one after $((SECONDS - start)) s"
		return 1
	}
}

# More than the part of it that reads_back() looks at is written.
load() {
	fio --name=load --filename="/dev/mapper/paes_test_$1" --rw=randwrite \
		--bs=4k --offset=1M --size=4M --io_size="$2" --direct=1 \
		--ioengine=libaio --iodepth=16 --verify=crc32c \
		--verify_fatal=1 --output="$work/fio.$1"
}

worker_pid() {
	paes status --json | jq -r '[.daemon.tokens[].workers[].pid][0]'
}

all_serve() {
	paes status --json |
		jq -e '[.daemon.tokens[].workers[].state] | all(. == "serving")'
}

within() {
	local try
	for ((try = 0; try < $1 * 10; try++)); do
		! "${@:2}" >/dev/null 2>&1 || return 0
		sleep 0.1
	done
	echo "not within $1 s: ${*:2}"
	return 1
}

stop_paesd() {
	kill "$paesd"
	wait "$paesd"
}

both_work() {
	open_volume a
	open_volume b
	write_volume a
	write_volume b
	reads_back a
	reads_back b
}

# Under load on both: one ends with errors, the other with its data verified.
revoke_under_load() {
	local a b
	load a 64M &
	a=$!
	load b 8M &
	b=$!
	sleep 2
	kill -0 "$a"
	mark_log
	paes revoke "$id"
	fails_at_once a
	if wait "$a"; then
		echo "expected the load on the revoked volume to fail"
		return 1
	fi
	wait "$b"
	reads_back b
	log_since | grep -q "is revoked: its I/O fails; 'paes allow $id'"
}

refuses_to_open() {
	mark_log
	fails_with 'revoked' cryptsetup open --type plain --shared "${xts[@]}" \
		--key-file "$work/a.blob" "${disk[a]}" paes_test_c
	log_since | grep -q "is revoked; 'paes allow $id'"
}

other_volume_opens() {
	cryptsetup close paes_test_b
	open_volume b
	reads_back b
}

shows_in_status() {
	paes status --json | jq -e --arg id "$id" '.revoked == [ $id ] and
		[ .keys[] | select(.state == "revoked") | .volume ] == [ "paes_test_a" ]'
}

worker_dies() {
	mark_log
	kill -KILL "$(worker_pid)"
	fails_at_once a
	reads_back b
	within 60 all_serve
	fails_at_once a
	log_since | grep -q "says that it is revoked; 'paes allow $id'"
}

volume_works_again() {
	paes allow "$id" --json | jq -e '.workers >= 1 and .killed == 0'
	reads_back a
	write_volume a
	reads_back a
}

opens_again() {
	cryptsetup close paes_test_a
	open_volume a
	reads_back a
}

hung_worker() {
	local hung start=$SECONDS
	within 60 all_serve
	hung=$(worker_pid)
	kill -STOP "$hung"
	paes revoke "$id" --json >"$work/said"
	((SECONDS - start < 30))
	jq -e '.killed == 1' "$work/said"
	[[ ! -d /proc/$hung ]]
	fails_at_once a
	reads_back b
	within 60 all_serve
	paes allow "$id"
	reads_back a
}

# What waited for paesd meanwhile is not for this key any more.
without_paesd() {
	local reader
	read_volume a >/dev/null 2>"$work/reader" &
	reader=$!
	sleep 1
	kill -0 "$reader"
	paes revoke "$id" --json | jq -e '.daemon == "not running"'
	kill -0 "$reader"
}

held_fails() {
	fails_at_once a
	reads_back b
	paes allow "$id"
	reads_back a
}

set -e
for name in a b; do
	paes generate -o "$work/$name.blob" >/dev/null
	make_device 16M
	disk[$name]=$device
done
id=$(paes inspect --json "$work/a.blob" | jq -r .key_id)
set +e

plan 14
check "two volumes work" both_work
check "revoke under load: one fails, the other verifies" revoke_under_load
check "it can't be opened, and the log says why" refuses_to_open
check "the other can" other_volume_opens
check "paes status shows it" shows_in_status
check "a killed worker's successor knows" worker_dies
stop_paesd
start_paesd
check "a restarted paesd knows" fails_at_once a
check "it still can't be opened" refuses_to_open
check "the other goes on" reads_back b
check "allow: the open volume works again" volume_works_again
check "allow: it opens" opens_again
check "a worker that hangs is killed" hung_worker
stop_paesd
check "revoke without paesd" without_paesd
start_paesd
check "counts for what was held" held_fails
finish
