#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# guest: --memory 1G
# The claim: what is done to volumes and to the module while I/O is underway is
# refused or works, and not a byte gets lost by it.
#
#   PAES_FAULT_COUNT  how often each is done (default: 8)
# shellcheck disable=SC2317 # called by check
. "$(dirname -- "$0")/common.sh"
. "$here/load.sh"

needs_load
needs_volumes
times=${PAES_FAULT_COUNT:-$((full ? 200 : 8))}

flags=('' no_read_workqueue no_write_workqueue
	'no_read_workqueue no_write_workqueue' same_cpu_crypt
	submit_from_crypt_cpus 'same_cpu_crypt submit_from_crypt_cpus')

# table NAME SECTOR-SIZE [FLAG...]
table() {
	local device
	device=$(<"$work/$1.device")
	printf '0 %d crypt paes-xts-plain64 %s 0 %s 0 %d sector_size:%s\n' \
		"$(blockdev --getsz "$device")" "$(xxd -p -c 0 "$work/$1.blob")" \
		"$device" $(($# - 1)) "$2 ${*:3}"
}

# Another table, with a tfm and a key of its own, takes over.
reload() {
	table "$@" | dmsetup load "paes_test_$1"
	dmsetup suspend "paes_test_$1"
	dmsetup resume "paes_test_$1"
}

# shellcheck disable=SC2086 # a list of flags
reload_both() {
	reload a 512 $1
	reload b 4096 $1
}

with_flags() {
	local some
	for some in "${flags[@]}"; do
		reload_both "$some"
		load_run
	done
	reload_both ''
}

# shellcheck disable=SC2086 # a list of flags
reload_one() {
	local some=${flags[RANDOM % ${#flags[@]}]}
	if ((RANDOM % 2)); then
		reload a 512 $some
	else
		reload b 4096 $some
	fi
}

unload() {
	fails_with 'in use' rmmod paes
}

keys() {
	tail -n +2 /sys/kernel/debug/paes/keys | wc -l
}

# With one worker of two the key is opened by the other.
setkey_at_death() {
	local pid
	becomes_true 60 all_serve
	pid=$(serving_workers | shuf -n 1)
	{ random_sleep 60 && kill -KILL "$pid"; } 2>/dev/null &
	dmsetup create paes_test_c --table "$(table a 512 | sed "s|/dev/loop[0-9]*|$spare|")"
	wait $! || :
	udevadm settle
	dmsetup remove --retry paes_test_c
}

setkeys() {
	under_load "$times" setkey_at_death
	(($(keys) == 2))
}

stopped() {
	! kill -0 "$1" 2>/dev/null
}

write_more() {
	head -c 1M /dev/urandom >"$work/more"
	dd if="$work/more" of=/dev/mapper/paes_test_a bs=1M oflag=direct status=none
}

was_written() {
	dd if=/dev/mapper/paes_test_a bs=1M count=1 iflag=direct status=none |
		cmp - "$work/more"
}

# suspend_waits COMMAND...: dmsetup waits for a write that nobody encrypts, till
# COMMAND ends that.  It's given the pid of dmsetup.
suspend_waits() {
	local writer waits submitted
	submitted=$(stat submitted)
	trap 'pkill -CONT -x paesd-worker' EXIT
	pkill -STOP -x paesd-worker
	write_more &
	writer=$!
	becomes_true 10 grew submitted "$submitted"
	dmsetup suspend paes_test_a 2>/dev/null &
	waits=$!
	sleep 1
	kill -0 "$waits"
	"$@" "$waits"
	becomes_true 150 stopped "$waits" # call-seconds is 60
	pkill -CONT -x paesd-worker || :
	dmsetup resume paes_test_a
	wait "$writer"
	was_written
}

suspend_can_be_killed() {
	reload a 512
	suspend_waits kill -TERM
	(($(stat overdue) == overdue))
}

# Who submits encrypts, and waits for slots where no signal is looked at.
suspend_has_an_end() {
	reload a 512 no_write_workqueue
	suspend_waits kill -TERM
	reload a 512
	(($(stat failed) == failed))
}

# A disk that takes nothing: a loop device's file, on a frozen file system.
make_freezer() {
	make_device 96M
	mkfs.ext4 -q "$device"
	mkdir "$work/freezer"
	mount "$device" "$work/freezer"
	head -c 32M /dev/zero >"$work/freezer/disk"
	sync "$work/freezer/disk"
	frozen=$(losetup --find --show "$work/freezer/disk")
	dmsetup create paes_test_c --table \
		"$(table a 512 no_write_workqueue | sed "s|/dev/loop[0-9]*|$frozen|")"
}

# More than the device has tags: who submits has to wait.
fill_frozen() {
	fio --name=frozen --filename=/dev/mapper/paes_test_c --ioengine=libaio \
		--direct=1 --rw=randwrite --bs=4k --iodepth=512 --size=8M \
		--verify=crc32c --verify_fatal=1 --output="$work/frozen.log"
}

other_volume_writes() {
	timeout 60 dd if=/dev/urandom of=/dev/mapper/paes_test_b bs=64k count=64 \
		oflag=direct status=none
}

disk_stands_still() {
	local writer
	make_freezer
	fsfreeze --freeze "$work/freezer"
	trap 'fsfreeze --unfreeze "$work/freezer"' EXIT
	fill_frozen &
	writer=$!
	sleep 5
	other_volume_writes
	kill -0 "$writer"
	fsfreeze --unfreeze "$work/freezer"
	trap - EXIT
	wait "$writer"
	udevadm settle
	dmsetup remove --retry paes_test_c
	losetup --detach "$frozen"
	becomes_true 30 umount "$work/freezer"
	losetup --detach "$device"
	(($(stat failed) == failed && $(stat overdue) == overdue))
}

make_device 32M
spare=$device
plan 8
check "dm-crypt's flags make no difference" with_flags
check "tables are changed under I/O $times times" under_load "$times" reload_one
check "the module doesn't go away under I/O" under_load "$times" unload
check "a key is set while a worker dies, $times times" setkeys
overdue=$(stat overdue) failed=$(stat failed)
check "a disk that stands still keeps no other volume waiting" disk_stands_still
check "a suspend that waits for a worker ends with a signal" suspend_can_be_killed
check "at the latest it ends when the worker is replaced" suspend_has_an_end
check "nothing was written wrong" load_verify_raw
finish
