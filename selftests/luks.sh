# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# A LUKS2 volume on $device, and a file system on it that keeps its data.  To be
# sourced after common.sh; the wrapped key is in $work/blob, the passphrase in
# $work/pass.

volume=/dev/mapper/paes_test

# luks_format [OPTION...]
luks_format() {
	cryptsetup luksFormat --type luks2 "${xts[@]}" "${fast[@]}" \
		--luks2-keyslots-size 8m --key-file "$work/pass" \
		--volume-key-file "$work/blob" "$@" "$device"
}

luks_open() {
	cryptsetup open --key-file "$work/pass" "$device" paes_test
}

luks_close() {
	cryptsetup close "${1-paes_test}"
}

fill() {
	local i
	mkdir -p "$work/mnt"
	mkfs.ext4 -q "$volume"
	mount "$volume" "$work/mnt"
	for i in $(seq 20); do
		head -c $((i * 7919)) /dev/urandom >"$work/mnt/file$i"
	done
	(cd "$work/mnt" && sha256sum file*) >"$work/sums"
	umount "$work/mnt"
}

verify() {
	e2fsck -fn "$volume" >/dev/null
	mount -o ro "$volume" "$work/mnt"
	(cd "$work/mnt" && sha256sum --quiet -c "$work/sums")
	umount "$work/mnt"
}

ext4_on_luks() {
	luks_open
	fill
	luks_close
	luks_open
	verify
	luks_close
}
