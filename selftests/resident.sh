#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The claim: a key that stays in the token does for volumes all that a wrapped
# one does, also when several volumes share it.
# shellcheck disable=SC2317 # called by check
. "$(dirname -- "$0")/common.sh"
. "$here/luks.sh"

needs_module
has cryptsetup
has mkfs.ext4
needs_paesd

# plain_open NAME OFFSET BLOB
plain_open() {
	cryptsetup open --type plain --shared "${xts[@]}" --key-file "$3" \
		--offset "$2" --size 8192 "$device" "$1"
}

# shellcheck disable=SC2119 # no options
luks_keeps_data() {
	luks_format
	ext4_on_luks
}

# write_and_read NAME
write_and_read() {
	head -c 4M /dev/urandom >"$work/$1.data"
	dd if="$work/$1.data" of="/dev/mapper/$1" bs=64k oflag=direct status=none
	read_again "$1"
}

read_again() {
	dd if="/dev/mapper/$1" iflag=direct bs=64k count=64 status=none |
		cmp - "$work/$1.data"
}

# One goes while the other is written, which must not notice.
shared() {
	local i
	plain_open paes_test_b 8192 "$work/blob"
	for i in $(seq 5); do
		plain_open paes_test_a 0 "$work/blob"
		write_and_read paes_test_a
		write_and_read paes_test_b &
		cryptsetup close paes_test_a
		wait $!
	done
	plain_open paes_test_a 0 "$work/blob"
	read_again paes_test_a
	cryptsetup close paes_test_b
	read_again paes_test_a
	cryptsetup close paes_test_a
}

beside_wrapped() {
	paes generate -o "$work/wrapped" >/dev/null
	plain_open paes_test_a 0 "$work/blob"
	plain_open paes_test_b 8192 "$work/wrapped"
	write_and_read paes_test_a &
	write_and_read paes_test_b
	wait $!
	read_again paes_test_a
	cryptsetup close paes_test_a
	cryptsetup close paes_test_b
}

# The kernel's own cipher, on the same disk.
imported_is_aes_xts() {
	head -c 64 /dev/urandom >"$work/clear"
	paes import --resident --key-file "$work/clear" -o "$work/imported" >/dev/null
	plain_open paes_test_a 0 "$work/imported"
	write_and_read paes_test_a
	cryptsetup close paes_test_a
	cryptsetup open --type plain --cipher aes-xts-plain64 --key-size 512 \
		--key-file "$work/clear" "$device" paes_test_a
	read_again paes_test_a
	cryptsetup close paes_test_a
}

short_key() {
	paes generate --resident --bits 128 -o "$work/blob128" >/dev/null
	plain_open paes_test_a 0 "$work/blob128"
	write_and_read paes_test_a
	cryptsetup close paes_test_a
}

destroyed() {
	paes destroy --yes "$work/blob128" >/dev/null
	fails_with . plain_open paes_test_a 0 "$work/blob128"
	fails_with 'no "paes-key" with CKA_ID' paes verify "$work/blob128"
	grep -q "the resident key isn't there" "$work/paesd.log" /run/paesd.log 2>/dev/null
	plain_open paes_test_a 0 "$work/blob"
	write_and_read paes_test_a
	cryptsetup close paes_test_a
}

printf passphrase >"$work/pass"
paes generate --resident -o "$work/blob" >/dev/null ||
	skip_all "paes generate --resident doesn't work"
make_device 48M

plan 6
check "ext4 on LUKS2 keeps its data" luks_keeps_data
check "one key for two volumes, of which one goes" shared
check "beside a wrapped key" beside_wrapped
check "imported, it is aes-xts" imported_is_aes_xts
check "a 128-bit key" short_key
check "a destroyed key opens nothing, another does" destroyed
finish
