#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The claim: the module unloads at any time when nothing uses it, however
# fresh its timers are, and not while something does.
# shellcheck disable=SC2317 # called by check
. "$(dirname -- "$0")/common.sh"

needs_module
has paes
has paesd
serving && skip_all "needs to start and stop paesd itself"
needs_paesd
paes generate -o "$work/blob" >/dev/null ||
	skip_all "no wrapped key with the configured token"

stop_paesd() {
	kill "$1" "$paesd"
	wait "$paesd" 2>/dev/null || :
	paesd=
}

# udev looks at a volume that was opened or written to, and keeps it busy.
close_volume() {
	udevadm settle 2>/dev/null || :
	cryptsetup close paes_test
}

open_volume() {
	cryptsetup open --type plain "${xts[@]}" --key-file "$work/blob" \
		"$device" paes_test
}

# What a timer did after the module was gone would be in the kernel's log.
unload() {
	udevadm settle 2>/dev/null || :
	modprobe -r paes
	sleep 1.5
}

unload_after_io() {
	modprobe paes
	start_paesd
	open_volume
	dd if=/dev/zero of=/dev/mapper/paes_test bs=64k count=16 oflag=direct status=none
	close_volume
	stop_paesd -TERM
	unload
}

# Requests that nobody serves are held and looked at once a second.
unload_after_hold() {
	modprobe paes hold_seconds=1
	start_paesd
	open_volume
	stop_paesd -KILL
	fails_with 'error' dd if=/dev/zero of=/dev/mapper/paes_test bs=4k count=1 oflag=direct
	close_volume
	unload
}

not_while_open() {
	modprobe paes
	start_paesd
	open_volume
	fails_with 'in use' modprobe -r paes
	close_volume
	fails_with 'in use' modprobe -r paes
	stop_paesd -TERM
	unload
}

make_device 1M
stop_paesd -TERM
modprobe -r paes || skip_all "the module is in use"
plan 3
check "unloads right after I/O" unload_after_io
check "unloads right after requests were held" unload_after_hold
check "doesn't unload while a volume or paesd uses it" not_while_open
modprobe paes
finish
