#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The claim: an unmodified cryptsetup makes and uses volumes with a wrapped
# key, file systems on them keep their data, and the key is nowhere to be seen.
# shellcheck disable=SC2317 # called by check
. "$(dirname -- "$0")/common.sh"
. "$here/luks.sh"

needs_module
has cryptsetup
has mkfs.ext4
has xxd
needs_paesd

# plain_open NAME OFFSET SECTORS BLOB
plain_open() {
	cryptsetup open --type plain --shared "${xts[@]}" --key-file "$4" \
		--offset "$2" --size "$3" "$device" "$1"
}

format_open_close() {
	luks_format
	cryptsetup luksDump "$device" | grep -q 'cipher: paes-xts-plain64'
	luks_open
	cryptsetup status paes_test | grep -Eq 'cipher: +paes-xts-plain64'
	cryptsetup status paes_test | grep -Eq 'keysize: +4096 bits'
	luks_close
	fails_with 'not active|inactive' cryptsetup status paes_test
}

wrong_passphrase() {
	printf wrong >"$work/wrong"
	fails_with 'no key available' \
		cryptsetup open --key-file "$work/wrong" "$device" paes_test
}

volume_key_file() {
	cryptsetup open --volume-key-file "$work/blob" "$device" paes_test
	luks_close
}

sectors_of_4096() {
	luks_format --sector-size 4096
	cryptsetup luksDump "$device" | grep -q 'sector: 4096'
	ext4_on_luks
}

suspend_resume() {
	luks_open
	mount "$volume" "$work/mnt"
	cryptsetup luksSuspend paes_test
	dd if="$volume" iflag=direct of="$work/read" bs=4k count=1 status=none &
	sleep 1
	kill -0 $!
	cryptsetup luksResume --key-file "$work/pass" paes_test
	wait $!
	(cd "$work/mnt" && sha256sum --quiet -c "$work/sums")
	umount "$work/mnt"
	luks_close
}

change_key() {
	printf another >"$work/pass2"
	cryptsetup luksChangeKey "${fast[@]}" --key-file "$work/pass" \
		"$device" "$work/pass2"
	fails_with 'no key available' luks_open
	mv "$work/pass2" "$work/pass"
	luks_open
	verify
	luks_close
}

plain_volume() {
	plain_open paes_test 0 32768 "$work/blob"
	fill
	luks_close
	plain_open paes_test 0 32768 "$work/blob"
	verify
	luks_close
}

format_without_volume_key() {
	cryptsetup luksFormat --type luks2 "${xts[@]}" "${fast[@]}" \
		--luks2-keyslots-size 8m --key-file "$work/pass" "$device"
	mark_log
	fails_with . luks_open
	log_since | grep -q -- '--volume-key-file' || {
		echo "expected --volume-key-file in the kernel's log"
		return 1
	}
}

luks1_is_refused() {
	fails_with . cryptsetup luksFormat --type luks1 "${xts[@]}" "${fast[@]}" \
		--key-file "$work/pass" --volume-key-file "$work/blob" "$device"
}

write_and_read() {
	head -c 65536 /dev/urandom >"$work/$1.data"
	dd if="$work/$1.data" of="/dev/mapper/$1" bs=64k oflag=direct status=none
	dd if="/dev/mapper/$1" iflag=direct bs=64k count=1 status=none |
		cmp - "$work/$1.data"
}

# Writes to both, then looks whether the first still holds its data.
side_by_side() {
	plain_open paes_test_a 0 4096 "$work/blob"
	plain_open paes_test_b 4096 4096 "$1"
	write_and_read paes_test_a &
	write_and_read paes_test_b
	wait $!
	dd if=/dev/mapper/paes_test_a iflag=direct bs=64k count=1 status=none |
		cmp - "$work/paes_test_a.data"
	luks_close paes_test_a
	luks_close paes_test_b
}

two_keys() {
	paes generate -o "$work/blob2" >/dev/null
	side_by_side "$work/blob2"
}

short_key() {
	paes generate --bits 128 -o "$work/blob128" >/dev/null
	plain_open paes_test 0 4096 "$work/blob128"
	write_and_read paes_test
	luks_close
}

many_volumes() {
	local i jobs=()
	for i in $(seq 32); do
		plain_open "paes_test_$i" $((i * 1024)) 1024 "$work/blob"
	done
	for i in $(seq 32); do
		write_and_read "paes_test_$i" &
		jobs+=($!)
	done
	for i in "${jobs[@]}"; do
		wait "$i"
	done
	udevadm settle 2>/dev/null || :
	for i in $(seq 32); do
		luks_close "paes_test_$i"
	done
}

# As a pattern of bytes, for grep -P.
bytes() {
	printf '%s' "$1" | sed 's/../\\x&/g'
}

# Every place where a key could be found, one file each.
collect() {
	local to=$1
	mkdir "$to"
	dmsetup table --showkeys >"$to/table"
	cat /proc/keys >"$to/keys"
	head -c 16M "$device" >"$to/header"
	dmesg >"$to/dmesg"
	cat "$work/paesd.log" /run/paesd.log >"$to/paesd.log" 2>/dev/null || :
	find /sys/module/paes/parameters /sys/class/misc/paes/ \
		/sys/kernel/debug/paes /sys/block/dm-*/dm /run/paes /etc/paes \
		-type f -readable -size -1M -exec cat {} + >"$to/sysfs" 2>/dev/null || :
	paes status >"$to/status"
	paes inspect "$work/known.blob" >"$to/inspect"
	cp "$work/known.blob" "$to/blob"
}

# 64 random bytes, none of which ends a line: holds_key() looks at one line at a
# time, and would miss a half that is on two.
known_key() {
	head -c 256 /dev/urandom | tr -d '\n' | head -c 64
}

# The halves, as hexadecimal and as bytes, in none of the files.
holds_key() {
	local dir=$1 half
	for half in "${key:0:64}" "${key:64:64}"; do
		! grep -ril -- "$half" "$dir" || return 0
		! LC_ALL=C grep -rlaP -- "$(bytes "$half")" "$dir" || return 0
	done
	return 1
}

secret_stays_secret() {
	local key
	known_key >"$work/known.key"
	key=$(xxd -p -c 0 "$work/known.key")
	paes import --key-file "$work/known.key" -o "$work/known.blob" >/dev/null
	cp "$work/known.blob" "$work/blob"
	luks_format
	luks_open
	write_and_read paes_test
	collect "$work/seen"
	luks_close
	if holds_key "$work/seen"; then
		echo "expected the wrapped key only, found the key in the files above"
		return 1
	fi
}

# The same search finds the key of an ordinary volume.
search_finds_keys() {
	local key
	key=$(xxd -p -c 0 "$work/known.key")
	cryptsetup open --type plain --cipher aes-xts-plain64 --key-size 512 \
		--key-file "$work/known.key" "$device" paes_test
	rm -r "$work/seen"
	collect "$work/seen"
	luks_close
	holds_key "$work/seen"
	cp "$work/known.key" "$work/seen/"
	rm "$work/seen/table"
	holds_key "$work/seen"
}

printf passphrase >"$work/pass"
paes generate -o "$work/blob" >/dev/null || skip_all "paes generate doesn't work"
make_device 48M

plan 16
check "luksFormat, open, status, close" format_open_close
check "a wrong passphrase is refused" wrong_passphrase
check "open with the wrapped key itself" volume_key_file
check "ext4 keeps its data" ext4_on_luks
check "luksSuspend blocks, luksResume goes on" suspend_resume
check "luksChangeKey" change_key
check "ext4 on sectors of 4096 bytes" sectors_of_4096
check "a plain volume keeps its data" plain_volume
check "a volume key that cryptsetup made up: open fails, the log says why" \
	format_without_volume_key
check "LUKS1 is refused" luks1_is_refused
check "the same key twice at once" side_by_side "$work/blob"
check "two keys at once" two_keys
check "32 volumes at once" many_volumes
check "a 128-bit key" short_key
check "an imported key shows nowhere" secret_stays_secret
check "the search for it works" search_finds_keys
finish
