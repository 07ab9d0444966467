#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# guest: --memory 256M --disk 1G
# The claim: when memory runs out, what is in the page cache still gets to a paes
# volume, and what is swapped to one out and in again: in every interval there is
# progress, and the workers, without which there is none, don't wait for memory.
#
#   PAES_TEST_DISK       is overwritten (default: /dev/vda)
#   PAES_FAULT_SECONDS   how long each case takes (default: 60)
# shellcheck disable=SC2317 # called by check
. "$(dirname -- "$0")/common.sh"
. "$here/load.sh"

seconds=${PAES_FAULT_SECONDS:-$((full ? 600 : 60))}
interval=15
mnt=$work/mnt
hog=

needs_load
has hog
needs_disk
needs_paesd
paes generate -o "$work/blob" >/dev/null ||
	skip_all "no wrapped key with the configured token"

# open_volume NAME START: 400 MiB of the disk, from there on.
open_volume() {
	dmsetup create "paes_test_$1" --table "0 819200 crypt paes-xts-plain64 \
		$(xxd -p -c 0 "$work/blob") 0 $disk $(($2 * 2048)) 1 sector_size:4096"
	udevadm settle 2>/dev/null || :
}

available() {
	awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo
}

# If somebody has to go, then who takes it all.
start_hog() {
	echo 0 >"$work/hogged"
	hog "$1" "$work/hogged" 2>"$work/hog.log" &
	hog=$!
	echo 1000 >"/proc/$hog/oom_score_adj"
}

stop_hog() {
	kill "$hog"
	wait "$hog" || {
		cat "$work/hog.log"
		return 1
	}
}

# Through the page cache, and all read back; unread pages go when it's full.
start_writers() {
	rm -f "$work/stop"
	while [[ ! -e $work/stop ]]; do
		fio --name=pages --directory="$mnt" --ioengine=psync --rw=randwrite \
			--bs=64k --size=48M --numjobs=2 --fsync=32 --verify=crc32c \
			--invalidate=1 --group_reporting --thread \
			--output="$work/fio.log" || return
		echo pass >>"$work/passes"
	done &
	writers=$!
}

stop_writers() {
	touch "$work/stop"
	wait "$writers" || {
		cat "$work/fio.log"
		return 1
	}
}

# proc(5): minor and major faults.
faults() {
	local pid
	for pid in $(pgrep -x paesd-worker); do
		cut -d' ' -f"$1" "/proc/$pid/stat"
	done | awk '{ sum += $1 } END { print sum }'
}

# All that they have is locked: a larger number is memory they asked for.
locked() {
	local pid
	for pid in $(pgrep -x paesd-worker); do
		awk '/^VmLck/ { print $2 }' "/proc/$pid/status"
	done | awk '{ sum += $1 } END { print sum }'
}

went_on() {
	local what=$1 before=$2 now=$3
	((now > before)) && return
	echo "$what stood still for $interval s at $before"
	free -m
	return 1
}

# In each interval: the module completed requests, and the hog got its pages.
progress() {
	local end=$((SECONDS + seconds)) completed hogged least=999999999 n
	completed=$(stat completed) hogged=$(<"$work/hogged")
	while ((SECONDS < end)); do
		sleep "$interval"
		n=$(stat completed)
		went_on "I/O" "$completed" "$n"
		went_on "the hog" "$hogged" "$(<"$work/hogged")"
		((n - completed >= least)) || least=$((n - completed))
		completed=$n hogged=$(<"$work/hogged")
	done
	note "$least requests at least in $interval s, $((hogged / 256)) MiB gone through, $(available) MiB available"
}

# Under pressure of a hog of that many MiB.
under_pressure() {
	local workers minor major locked failed
	workers=$(pgrep -x paesd-worker) minor=$(faults 10) major=$(faults 12)
	failed=$(stat failed) locked=$(locked)
	mark_log
	start_hog "$1"
	progress
	stop_hog
	note "the workers: $(($(faults 10) - minor)) minor faults, $(($(faults 12) - major)) major ones, $(($(locked) - locked)) KiB more, of $locked"
	[[ $workers == "$(pgrep -x paesd-worker)" ]]
	(($(faults 12) == major && $(stat failed) == failed))
	! log_since | grep -E 'blocked for more than|allocation failure|Out of memory|oom-kill'
}

page_cache() {
	mkdir -p "$mnt"
	open_volume cache 0
	mkfs.ext4 -q /dev/mapper/paes_test_cache
	mount /dev/mapper/paes_test_cache "$mnt"
	start_writers
	sleep 5
	under_pressure $(($(available) - 16))
	stop_writers
	note "$(wc -l <"$work/passes") passes of fio"
}

swap() {
	open_volume swap 400
	mkswap /dev/mapper/paes_test_swap >/dev/null
	swapon /dev/mapper/paes_test_swap
	start_writers
	sleep 5
	under_pressure $(($(available) + 64))
	stop_writers
	swapoff /dev/mapper/paes_test_swap
}

# Compaction moves locked pages, too, and who touches one meanwhile has a fault
# that waits for no memory: only those that do are to be counted.
compacts=/proc/sys/vm/compact_unevictable_allowed
[[ ! -e $compacts ]] || echo 0 >"$compacts"
plan 2
check "the page cache is written while a process takes all memory" page_cache
check "and more memory than there is, with swap on a volume" swap
finish
