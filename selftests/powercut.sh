#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The claim: what was written and synced is there after a power cut, whenever it
# comes.  The guest's part of qemu/powercut, which cuts the power:
#
#   powercut.sh format    makes the volume
#   powercut.sh work N    writes the files of boot N until the power is cut, and
#                         prints "work", then "sum SHA256 PATH" behind each sync
#   powercut.sh check     compares with what was printed, in PAES_TEST_DIR/sums
#
#   PAES_TEST_DISK  is overwritten (default: /dev/vda)
#   PAES_TEST_DIR   keeps the wrapped key and the sums (default: /mnt/host)
# shellcheck disable=SC2317 # called by check
. "$(dirname -- "$0")/common.sh"

boot=${2-}
mnt=$work/mnt

[[ $1 =~ ^(format|check)$ || "$1 $boot" =~ ^work\ [0-9]+$ ]] ||
	skip_all "to be run by qemu/powercut"
needs_module
has cryptsetup
needs_disk
needs_directory
needs_paesd

format() {
	printf passphrase >"$dir/pass"
	rm -f "$dir/blob"
	paes generate -o "$dir/blob" >/dev/null
	cryptsetup luksFormat --type luks2 "${xts[@]}" "${fast[@]}" \
		--luks2-keyslots-size 8m --sector-size 4096 \
		--key-file "$dir/pass" --volume-key-file "$dir/blob" "$disk"
	open_volume
	mkfs.ext4 -q -b 4096 /dev/mapper/paes_test
	close_volume
}

open_volume() {
	cryptsetup open --key-file "$dir/pass" "$disk" paes_test
	udevadm settle 2>/dev/null || :
}

close_volume() {
	udevadm settle 2>/dev/null || :
	cryptsetup close paes_test
}

# Every line tells where it belongs, so that no block is like another.
content() {
	seq -f "$1 %09.0f" 1 1000000 2>/dev/null | head -c "$2"
}

# One after the other; each is reported when it, and its name, must be there.
write_files() {
	local n path sum
	mkdir "$mnt/$boot-$1"
	for ((n = 0; ; n++)); do
		path=$boot-$1/$n
		sum=$(content "$path" $((RANDOM + 1)) | tee "$mnt/$path" | sha256sum)
		sync "$mnt/$path" "$mnt/$boot-$1" || return
		printf 'sum %s %s\n' "${sum%% *}" "$path"
	done
}

# Never synced, and gone again: the journal and the disk are never at rest.
write_more() {
	local n
	mkdir "$mnt/$boot-unsynced"
	for ((n = 0; ; n++)); do
		content "$boot-unsynced/$n" 100000 >"$mnt/$boot-unsynced/$((n % 20))" ||
			return
		sleep 0.2
	done
}

work() {
	mkdir -p "$mnt"
	open_volume
	mount /dev/mapper/paes_test "$mnt"
	rm -rf "$mnt"/*-unsynced
	echo work
	write_more &
	write_files a &
	write_files b &
	write_files c &
	wait -n
	echo "a writer ended before the power was cut"
	return 1
}

# Mounting brings the journal up to date, and says so in the log.
recovers() {
	mkdir -p "$mnt"
	open_volume
	mount /dev/mapper/paes_test "$mnt"
}

sums_are_right() {
	(cd "$mnt" && sha256sum --quiet --strict -c "$dir/sums")
}

is_clean() {
	umount "$mnt"
	e2fsck -fn /dev/mapper/paes_test
	close_volume
}

case $1 in
format)
	plan 1
	check "a volume is formatted" format
	finish
	;;
work)
	set -e
	work
	;;
check)
	plan 3
	check "the file system mounts" recovers
	check "all $(wc -l <"$dir/sums") synced files are right" sums_are_right
	check "e2fsck finds nothing" is_clean
	finish
	;;
esac
