#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The claim: what paes puts on a disk is what aes-xts with the key inside the
# wrapped key would put there, for every way of counting sectors; and only the
# wrapped key is ever shown.
# shellcheck disable=SC2317 # called by check
. "$(dirname -- "$0")/common.sh"

disk=/dev/ram0
size=4096 # sectors of 512 bytes

needs_module
has dmsetup
has keyctl
has xxd
[[ -e $disk ]] || modprobe -q brd rd_nr=1 rd_size=16384 || skip_all "needs the module brd"
needs_paesd

import() {
	(umask 077 && head -c "$2" /dev/urandom >"$1.key")
	paes import --key-file "$1.key" -o "$1.blob" >/dev/null
}

hex() {
	xxd -p -c 0 "$1"
}

# open NAME CIPHER KEY [IV-OFFSET [OPTION...]]
open_volume() {
	local name=$1 cipher=$2 key=$3 offset=${4-0}
	shift 3
	shift $(($# > 0))
	dmsetup create "$name" --table \
		"0 $size crypt $cipher $key $offset $disk 0 $# $*" || return
	udevadm settle 2>/dev/null || :
}

close_volume() {
	dmsetup remove --retry "$1"
}

write_random() {
	head -c $((size * 512)) /dev/urandom >"$work/data"
	dd if="$work/data" of="/dev/mapper/$1" bs=64k oflag=direct status=none
}

reads_the_same() {
	dd if="/dev/mapper/$1" bs=64k iflag=direct status=none | cmp - "$work/data"
}

# Written by one, read by the other, both ways round.
same_disk() {
	local a=$1 b=$2 options=("${@:3}")
	# shellcheck disable=SC2086 # cipher and key
	open_volume paes_test_a $a "${options[@]}"
	write_random paes_test_a
	close_volume paes_test_a
	# shellcheck disable=SC2086
	open_volume paes_test_b $b "${options[@]}"
	reads_the_same paes_test_b
	write_random paes_test_b
	close_volume paes_test_b
	# shellcheck disable=SC2086
	open_volume paes_test_a $a "${options[@]}"
	reads_the_same paes_test_a
	close_volume paes_test_a
}

same_as_aes() {
	local mode=$1 name=$2
	same_disk "paes-$mode $(hex "$name.blob")" "aes-$mode $(hex "$name.key")" \
		"${@:3}"
}

logon_key() {
	keyctl padd logon paes:selftest @u <"$work/256.blob" >/dev/null
	same_disk "paes-xts-plain64 :512:logon:paes:selftest" \
		"paes-xts-plain64 $(hex "$work/256.blob")"
	open_volume paes_test_a paes-xts-plain64 :512:logon:paes:selftest
	dmsetup table --showkeys paes_test_a | grep -q ':512:logon:paes:selftest'
	close_volume paes_test_a
	keyctl purge logon paes:selftest >/dev/null
}

table_shows_the_blob() {
	local shown
	open_volume paes_test_a paes-xts-plain64 "$(hex "$work/256.blob")"
	shown=$(dmsetup table --showkeys paes_test_a | cut -d' ' -f5)
	close_volume paes_test_a
	[[ $shown == "$(hex "$work/256.blob")" ]] || {
		echo "expected the wrapped key in the table, found $shown"
		return 1
	}
}

two_keys_differ() {
	import "$work/other" 64
	open_volume paes_test_a paes-xts-plain64 "$(hex "$work/256.blob")"
	write_random paes_test_a
	close_volume paes_test_a
	open_volume paes_test_b paes-xts-plain64 "$(hex "$work/other.blob")"
	if reads_the_same paes_test_b >/dev/null; then
		echo "another key reads the same data"
		return 1
	fi
	close_volume paes_test_b
}

# dm-crypt's wipe sets random bytes as the key.
key_wipe() {
	local blob
	blob=$(hex "$work/256.blob")
	open_volume paes_test_a paes-xts-plain64 "$blob"
	write_random paes_test_a
	dmsetup suspend paes_test_a
	dmsetup message paes_test_a 0 key wipe || :
	fails_with . dmsetup resume paes_test_a
	dmsetup message paes_test_a 0 key set "$blob"
	dmsetup resume paes_test_a
	reads_the_same paes_test_a
	close_volume paes_test_a
}

bad_blob_is_refused() {
	local blob
	blob=$(hex "$work/256.blob")
	mark_log
	fails_with . open_volume paes_test_a paes-xts-plain64 "${blob:0:-2}ff"
	fails_with . open_volume paes_test_a paes-xts-plain64 "$(head -c 512 /dev/urandom | xxd -p -c 0)"
	log_since | grep -q -- '--volume-key-file'
}

issued_since_open() {
	grep -q 'paes_issue: .*op=encrypt' "$trace"/trace
}

# A request's way, one that lost its worker too, and not a byte of the key's.
traced() {
	local trace=/sys/kernel/tracing event blob
	[[ -e $trace/events ]] || mount -t tracefs tracefs "$trace"
	blob=$(hex "$work/256.blob")
	: >"$trace"/trace
	echo 1 >"$trace"/events/paes/enable
	open_volume paes_test_a paes-xts-plain64 "$blob"
	pkill -STOP -x paesd-worker
	write_random paes_test_a &
	becomes_true 60 issued_since_open
	pkill -KILL -x paesd-worker
	wait $!
	reads_the_same paes_test_a
	close_volume paes_test_a
	echo 0 >"$trace"/events/paes/enable
	cp "$trace"/trace "$work/trace"
	for event in 'submit: key=[0-9]+ op=encrypt length=512' 'issue: .*op=open' \
		'issue: .*op=decrypt' 'complete: .*status=0' 'reissue: .*op=encrypt'; do
		grep -Eq "paes_$event" "$work/trace" || {
			echo "expected a line paes_$event in the trace"
			return 1
		}
	done
	if grep -Eiq "${blob:64:32}|iv=|token=" "$work/trace"; then
		echo "the trace shows what it must not"
		return 1
	fi
}

set -e
import "$work/256" 64
import "$work/128" 32
set +e

plan 18
check "1000 sectors of 512 bytes at random numbers equal OpenSSL's, AES-256" \
	sectors --blob "$work/256.blob" --key "$work/256.key"
check "1000 sectors of 4096 bytes at random numbers equal OpenSSL's, AES-256" \
	sectors --blob "$work/256.blob" --key "$work/256.key" \
	--sector-size 4096 --large-iv
check "sectors of 512 bytes equal OpenSSL's, AES-128" \
	sectors --blob "$work/128.blob" --key "$work/128.key" --places 20
check "sectors of 4096 bytes counted by 512 equal OpenSSL's" \
	sectors --blob "$work/256.blob" --key "$work/256.key" \
	--sector-size 4096 --places 20
check "xts-plain64 reads and is read as aes" same_as_aes xts-plain64 "$work/256"
check "AES-128 reads and is read as aes" same_as_aes xts-plain64 "$work/128"
check "xts-plain reads and is read as aes" same_as_aes xts-plain "$work/256"
check "xts-plain64be reads and is read as aes" same_as_aes xts-plain64be "$work/256"
check "sector_size:4096 iv_large_sectors reads and is read as aes" \
	same_as_aes xts-plain64 "$work/256" 8 sector_size:4096 iv_large_sectors
for n in 1024 2048; do
	check "sector_size:$n iv_large_sectors reads and is read as aes" \
		same_as_aes xts-plain64 "$work/256" 8 sector_size:$n iv_large_sectors
done
check "no_read_workqueue no_write_workqueue reads and is read as aes" \
	same_as_aes xts-plain64 "$work/256" 0 no_read_workqueue no_write_workqueue
check "a key of the kernel's keyring is the same key" logon_key
check "the table shows the wrapped key" table_shows_the_blob
check "another key reads other data" two_keys_differ
check "a wiped key is gone, and can be set again" key_wipe
check "tracepoints show a request's way, and one that lost its worker" traced
check "a changed or random key is refused, and the log says why" bad_blob_is_refused
finish
