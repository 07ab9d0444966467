#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The claim: a volume survives a reboot.  Run "reboot.sh stage1", boot again
# with the same disk and directory, run "reboot.sh stage2":
#
#   PAES_TEST_DISK  is overwritten (default: /dev/vda)
#   PAES_TEST_DIR   keeps the wrapped key and the checksums (default: /mnt/host)
# shellcheck disable=SC2317 # called by check
. "$(dirname -- "$0")/common.sh"

stage=${1-}

[[ $stage == stage[12] ]] || skip_all "to be run as reboot.sh stage1, then stage2"
needs_module
has cryptsetup
needs_disk
needs_directory
needs_paesd

format() {
	printf passphrase >"$dir/reboot.pass"
	rm -f "$dir/reboot.blob"
	paes generate -o "$work/blob" >/dev/null
	cp "$work/blob" "$dir/reboot.blob"
	cryptsetup luksFormat --type luks2 "${xts[@]}" "${fast[@]}" \
		--luks2-keyslots-size 8m --key-file "$dir/reboot.pass" \
		--volume-key-file "$work/blob" "$disk"
}

open_mounted() {
	mkdir -p "$work/mnt"
	cryptsetup open --key-file "$dir/reboot.pass" "$disk" paes_test
	mount "$@" /dev/mapper/paes_test "$work/mnt"
}

close_mounted() {
	umount "$work/mnt"
	udevadm settle 2>/dev/null || :
	cryptsetup close paes_test
}

fill() {
	local i
	cryptsetup open --key-file "$dir/reboot.pass" "$disk" paes_test
	mkfs.ext4 -q /dev/mapper/paes_test
	cryptsetup close paes_test
	open_mounted
	for i in $(seq 50); do
		head -c $((i * 7919)) /dev/urandom >"$work/mnt/file$i"
	done
	(cd "$work/mnt" && sha256sum file*) >"$dir/reboot.sums"
	close_mounted
}

same_data() {
	cryptsetup open --key-file "$dir/reboot.pass" "$disk" paes_test
	e2fsck -fn /dev/mapper/paes_test >/dev/null
	cryptsetup close paes_test
	open_mounted -o ro
	(cd "$work/mnt" && sha256sum --quiet -c "$dir/reboot.sums")
	close_mounted
}

same_key() {
	paes verify "$dir/reboot.blob"
	cryptsetup open --volume-key-file "$dir/reboot.blob" "$disk" paes_test
	cryptsetup close paes_test
}

plan 2
if [[ $stage == stage1 ]]; then
	check "a volume is formatted" format
	check "ext4 is filled" fill
else
	check "the data are there after the reboot" same_data
	check "the wrapped key still opens it" same_key
fi
finish
