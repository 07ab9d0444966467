#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# guest: --memory 1G
# The claim: nothing is left behind by a volume that was closed: not in the
# kernel, not in the workers, not in the token.
#
#   PAES_FAULT_COUNT  volumes that come and go (default: 960)
# shellcheck disable=SC2317 # called by check
. "$(dirname -- "$0")/common.sh"
. "$here/load.sh"

# SoftHSM 2.6.1 keeps 194 bytes of each session's key that it destroyed, until
# C_Finalize: K1 and K2 of a volume, in both workers.
kept=$((4 * 194))
# paesd's heap grows by M_TOP_PAD and 32 KiB at a time, which may fall due in
# any worker at any volume: one such step in each is no leak, two are.
heap_step=$((1024 + 32))
count=${PAES_FAULT_COUNT:-$((full ? 10000 : 960))}
tokens=/var/lib/softhsm/tokens

needs_module
has cycles cryptsetup dmsetup
[[ ! -d /run/systemd/system ]] || skip_all "needs to stop udev, which systemd starts again"
[[ -e /dev/ram0 ]] || modprobe -q brd rd_nr=1 rd_size=16384 || skip_all "needs the module brd"
needs_paesd
paes generate -o "$work/blob" >/dev/null ||
	skip_all "no wrapped key with the configured token"

# What the module, the crypto API and dm-crypt allocate comes from kmalloc: a
# cache that grew by one object for every second volume has a leak.
slabs() {
	local cache
	sync
	echo 3 >/proc/sys/vm/drop_caches
	sleep 2
	for cache in /sys/kernel/slab/kmalloc-*; do
		echo "${cache##*/} $(objects "$cache")"
	done | sort
}

# objects CACHE: how many are in use.  A processor's slab counts as if all its
# objects were (512 of kmalloc-8), until the cache is shrunk; one that got a slab
# again in between is seen as the least of several counts isn't.  KASAN, too,
# keeps what was freed until then.
objects() {
	local now
	for _ in {1..5}; do
		echo 1 >"$1/shrink"
		read -r now _ <"$1/objects"
		echo "$now"
	done | sort --numeric-sort | head -n 1
}

of_workers() {
	local pid
	for pid in $(pgrep -x paesd-worker); do
		awk -v what="$1:" '$1 == what { print $2 }' "/proc/$pid/status"
	done | awk '{ sum += $1 } END { print sum }'
}

# Things that must be the same as before, one a line.
inventory() {
	local pid
	for pid in $(pgrep -x 'paesd(-worker)?'); do
		echo "fds of $pid: $(find "/proc/$pid/fd" -mindepth 1 | wc -l)"
	done
	echo "keys of the module: $(tail -n +2 /sys/kernel/debug/paes/keys)"
	echo "keys of the kernel: $(wc -l </proc/keys)"
	echo "users of the module: $(</sys/module/paes/refcnt)"
	echo "objects in the token: $(find "$tokens" -name '*.object' | wc -l)"
	echo "volumes: $(dmsetup ls)"
}

# grown BEFORE AFTER COUNT
grown() {
	join "$1" "$2" | awk -v most=$(($3 / 2 + 100)) '$3 - $2 > most {
		printf "%s: %d objects more\n", $1, $3 - $2 }'
}

same() {
	diff "$1" "$2" || {
		echo "expected what there was before"
		return 1
	}
}

# leaves_nothing COMMAND COUNT: nothing is left behind; the first don't count,
# with which all grows to what so many at once take.
leaves_nothing() {
	local memory
	"$1" $(($2 / 4))
	slabs >"$work/slabs"
	inventory >"$work/before"
	memory=$(of_workers VmRSS)
	"$@"
	slabs >"$work/slabs.after"
	inventory >"$work/after"
	same "$work/before" "$work/after"
	note "the workers have $(($(of_workers VmRSS) - memory)) KiB more, of $memory"
	(($(of_workers VmRSS) - memory <= $(workers | wc -l) * heap_step + $2 * kept / 1024))
	grown "$work/slabs" "$work/slabs.after" "$2" >"$work/grown"
	cat "$work/grown"
	[[ ! -s $work/grown ]]
}

# udev would take most of the time, to look at what is gone again.
without_udev() {
	local status=0
	udevadm control --exit
	"$@" || status=$?
	/lib/systemd/systemd-udevd --daemon
	return "$status"
}

bare() {
	local opened start=$SECONDS
	opened=$(stat opened)
	without_udev cycles "$work/blob" "$1"
	note "$(($(stat opened) - opened)) volumes in $((SECONDS - start)) s"
	(($(stat opened) - opened >= $1))
}

# By cryptsetup, whose keys are in the kernel's keyring.
luks() {
	local n
	for ((n = 0; n < $1; n++)); do
		cryptsetup open --key-file "$work/pass" "$device" paes_test
		udevadm settle
		dd if=/dev/urandom of=/dev/mapper/paes_test bs=4k count=1 \
			oflag=direct status=none
		cryptsetup close paes_test
	done
}

format() {
	make_device 32M
	echo passphrase >"$work/pass"
	cryptsetup luksFormat --type luks2 "${xts[@]}" "${fast[@]}" \
		--key-file "$work/pass" --volume-key-file "$work/blob" "$device"
}

set -e
format
set +e
plan 2
check "$count volumes come and go" leaves_nothing bare "$count"
check "$((count / 100)) times LUKS2 by cryptsetup" leaves_nothing luks "$((count / 100))"
finish
