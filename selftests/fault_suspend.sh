#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# guest: --memory 512M --disk 1G
# The claim: the system is suspended, and images of it are taken for hibernation,
# while volumes are written to.  All tasks freeze but the workers, without which
# those that wait for I/O couldn't; when the workers can't work, suspend is
# refused, and all goes on afterwards.
#
# Sleep is as deep as the kernel's pm_test goes; the clocks run on meanwhile, for
# longer than requests may take here.
#
#   PAES_TEST_DISK  becomes swap (default: /dev/vda)
# shellcheck disable=SC2317 # called by check
. "$(dirname -- "$0")/common.sh"
. "$here/load.sh"

power=/sys/power
rounds=$((full ? 20 : 2))

needs_load
[[ -w $power/pm_test ]] || skip_all "this kernel has no $power/pm_test"
needs_disk
needs_volumes

limit_seconds() {
	set_parameter request_seconds "$1"
	set_parameter hold_seconds "$2"
}

# PF_NOFREEZE, by proc(5).
may_freeze() {
	local flags
	flags=$(cut -d' ' -f9 "/proc/$1/stat")
	((!(flags & 0x8000)))
}

# All that serves, and nothing else.
only_workers_stay() {
	local pid
	becomes_true 60 all_serve
	for pid in $(pgrep -x paesd-worker); do
		! may_freeze "$pid" || { echo "worker $pid would be frozen" && return 1; }
	done
	may_freeze "$(pgrep -ox paesd)"
	may_freeze $$
}

# sleep_to LEVEL STATE: as far as that, for pm_test_delay seconds, and back.
sleep_to() {
	local status=0
	echo "$1" >"$power"/pm_test
	echo "$2" >"$power"/state || status=$?
	echo none >"$power"/pm_test
	return "$status"
}

# Each with I/O underway, and I/O goes on behind it.
sleeps() {
	local state=$1 times=$2 level n failed overdue
	shift 2
	failed=$(stat failed) overdue=$(stat overdue)
	mark_log
	load_start
	for level; do
		for ((n = 0; n < times; n++)); do
			random_sleep 500
			sleep_to "$level" "$state"
			load_moves
		done
	done
	load_stop
	load_pauses "after sleep"
	note "frozen within$(log_since |
		sed -n 's/.*user space processes completed (elapsed \(.*\) seconds).*/ \1/p' |
		sort -n | tail -n 1) s at most"
	(($(stat failed) == failed && $(stat overdue) == overdue))
}

suspends() {
	sleeps freeze "$rounds" freezer
	sleeps freeze 1 devices platform
}

hibernates() {
	sleeps disk 1 freezer devices platform processors core
}

# Up to 6.1 the kernel won't read an image back from swap that is in use: EBUSY.
takes_image() {
	local back="and read back"
	echo test_resume >"$power"/disk
	mark_log
	load_start
	echo disk >"$power"/state || back="but not read back"
	load_moves
	load_stop
	log_since | grep -q 'Image saving done'
	note "the image was written, $back"
}

in_io() {
	[[ $(ps -o state= -p "$1") == D ]]
}

# What keeps the tasks from freezing is shown with its call trace; on the
# console that would look as if something were wrong.
refused() {
	local status=0 reader
	echo 5000 >"$power"/pm_freeze_timeout
	load_start
	pkill -STOP -x paesd-worker
	dd if=/dev/mapper/paes_test_a of=/dev/null bs=4k count=1 iflag=direct \
		status=none &
	reader=$!
	becomes_true 30 in_io "$reader"
	mark_log
	dmesg -n 6
	sleep_to freezer freeze || status=$?
	dmesg -n 7
	pkill -CONT -x paesd-worker
	echo 20000 >"$power"/pm_freeze_timeout
	wait "$reader"
	load_moves
	load_stop
	((status != 0))
	log_since | grep -q 'Freezing .* failed after'
}

mkswap "$disk" >/dev/null
swapon "$disk"
# A busy machine that emulates another takes seconds for a request.  And the wait
# keeps a processor busy: no lockup, though it may take twice as long there.
echo 60 >/proc/sys/kernel/watchdog_thresh
echo 120 >/sys/module/rcupdate/parameters/rcu_cpu_stall_timeout
echo 14 >/sys/module/suspend/parameters/pm_test_delay
limit_seconds 12 12
plan 6
check "workers aren't frozen, paesd is" only_workers_stay
check "suspends under I/O" suspends
check "everything but the image of hibernation, under I/O" hibernates
check "an image is taken under I/O" takes_image
limit_seconds 90 300
check "with workers that hang, suspend is refused" refused
check "nothing was written wrong" load_verify_raw
finish
