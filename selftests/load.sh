# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The load under which the fault tests happen: fio on two volumes, several jobs
# on each, that reads back all it writes.  To be sourced after common.sh.
#
# The wrapped keys are imported ones, so that load_verify_raw can look at the
# disks in the end with the kernel's own aes-xts.

load=                                     # the process that starts fio
load_import=()                            # options of paes import
stats=/sys/class/misc/paes/stats
full=${PAES_FAULT_FULL:-0}                # 1: as often as it takes to be sure
# shellcheck disable=SC2034 # for the scripts
seed=${PAES_FAULT_SEED:-$((SRANDOM % 32768))}

stat() {
	echo "$(<"$stats/$1")"
}

# grew STAT BEFORE
grew() {
	(($(stat "$1") > $2))
}

# What is to be seen also of a test that passes.
exec 3>&1
note() {
	printf '# %s\n' "$*" >&3
}

random_sleep() {
	local ms=$((RANDOM % $1))
	sleep "$(printf '%d.%03d' $((ms / 1000)) $((ms % 1000)))"
}

needs_load() {
	needs_module
	has fio dmsetup xxd
}

# For those that start it themselves.
needs_no_paesd() {
	! serving || skip_all "needs to start paesd itself"
}

load_job() {
	cat <<-EOF
		[global]
		ioengine=libaio
		direct=1
		verify=crc32c
		verify_fatal=1
		verify_backlog=256
		$*
		[small-a]
		filename=/dev/mapper/paes_test_a
		rw=randwrite
		bs=4k
		iodepth=16
		size=8M
		[large-a]
		filename=/dev/mapper/paes_test_a
		rw=write
		bs=128k
		iodepth=4
		offset=8M
		size=16M
		[small-b]
		filename=/dev/mapper/paes_test_b
		rw=randwrite
		bsrange=4k-16k
		blockalign=4k
		iodepth=8
		size=8M
		[single-b]
		filename=/dev/mapper/paes_test_b
		rw=randwrite
		bs=4k
		iodepth=1
		offset=8M
		size=2M
	EOF
}

# load_volume NAME SECTOR-SIZE CIPHER KEY-FILE
load_volume() {
	local device
	device=$(<"$work/$1.device")
	dmsetup create "paes_test_$1" --table "0 $(blockdev --getsz "$device") \
		crypt $3-xts-plain64 $(xxd -p -c 0 "$4") 0 $device 0 1 sector_size:$2"
	udevadm settle 2>/dev/null || :
}

load_open_with() {
	load_volume a 512 "$1" "$work/a.$2"
	load_volume b 4096 "$1" "$work/b.$2"
}

load_make_key() {
	head -c 64 /dev/urandom >"$work/$1.clear"
	paes import "${load_import[@]}" --key-file "$work/$1.clear" \
		-o "$work/$1.blob" >/dev/null 2>&1
	make_device 32M
	printf '%s\n' "$device" >"$work/$1.device"
}

load_open() {
	load_make_key a && load_make_key b && load_open_with paes blob
}

needs_volumes() {
	needs_paesd
	load_open || skip_all "no volumes with the configured token"
}

load_run() {
	load_job "$@" >"$work/load.fio"
	fio --output="$work/fio.log" "$work/load.fio"
}

# Pass after pass, so that each ends with everything read back.
load_loop() {
	while [[ ! -e $work/load.stop ]]; do
		load_run || {
			echo "fio found a fault:"
			grep -aE 'err=|verify|error' "$work/fio.log"
			return 1
		}
		echo pass >>"$work/load.passes"
	done
} >"$work/load.log" 2>&1

load_start() {
	rm -f "$work"/load.{stop,passes}
	trap load_abort EXIT
	[[ -e /dev/mapper/paes_test_a ]] || load_open_with paes blob
	load_loop &
	load=$!
	load_moves
}

# Of a test that failed.
load_abort() {
	touch "$work/load.stop"
	[[ ! $load ]] || { pkill -x fio && wait "$load"; }
}

# Of whatever paesd the test ended with.
end_paesd() {
	udevadm settle || : # what it reads would be held
	pkill -x paesd
	wait "$paesd"
	paesd=
} 2>/dev/null

load_goes_on() {
	kill -0 "$load" 2>/dev/null && return
	cat "$work/load.log"
	return 1
}

# What is $completed, and what is $waiting for that.  No process is started for it:
# it would be seen in the figures.
load_look() {
	local submitted failed
	read -r completed <"$stats/completed"
	read -r failed <"$stats/failed"
	read -r submitted <"$stats/submitted"
	waiting=$((submitted - completed - failed))
}

# Requests are completed again: notes how long some have waited for that, in ms.
# Between two passes of fio there are none to wait.
load_moves() {
	local start=${EPOCHREALTIME/./} before completed waiting
	load_look
	before=$completed
	while ((completed <= before)); do
		load_goes_on || return
		((waiting)) || start=${EPOCHREALTIME/./}
		sleep 0.01
		load_look
	done
	echo $(((${EPOCHREALTIME/./} - start) / 1000)) >>"$work/load.pauses"
}

set_parameter() {
	printf '%s\n' "$2" >"/sys/module/paes/parameters/$1"
}

# paesd with badtoken.c for a token, which is the one configured else.
use_badtoken() {
	local uri="pkcs11:token=paes?module-path=$here/badtoken.so"
	[[ -e $here/badtoken.so ]] || skip_all "needs badtoken.so, which needs p11-kit to be built"
	export PAES_BADTOKEN=$work/bad
	mkdir "$PAES_BADTOKEN"
	printf '{ "tokens": [ { "uri": "%s", "pin-file": "/etc/paes/pin", "workers": 2, "call-seconds": 15 } ] }' \
		"$uri" >"$work/paes.json"
	paesd_options=(--config "$work/paes.json")
}

# fail_once FAULT: until somebody did.
fail_once() {
	printf '%s\n' "$1" >"$PAES_BADTOKEN/new"
	mv "$PAES_BADTOKEN/new" "$PAES_BADTOKEN/once"
	becomes_true 60 test ! -e "$PAES_BADTOKEN/once"
}

workers() {
	pgrep -x paesd-worker
}

no_workers() {
	! workers >/dev/null
}

# None that logs in: SoftHSM writes the token's file then, not to be killed at.
serving_workers() {
	awk '$4 == "serving" { print $3 }' /sys/kernel/debug/paes/providers
}

any_serves() {
	[[ $(serving_workers) ]]
}

all_serve() {
	(($(workers | wc -l) == 2)) &&
		(($(grep -c ' serving ' /sys/kernel/debug/paes/providers) == 2))
}

# Lets the pass under way come to its end.
load_stop() {
	touch "$work/load.stop"
	wait "$load" || {
		cat "$work/load.log"
		return 1
	}
	load=
}

load_pauses() {
	sort -n "$work/load.pauses" | awk -v what="$1" '{ at[NR] = $1 }
		END { printf "# %s: I/O goes on after %d ms (median), %d ms at most, %d times\n",
			what, at[int((NR + 1) / 2)], at[NR], NR }' >&3
	rm -f "$work/load.pauses"
}

# under_load TIMES COMMAND...: no request fails.  COMMAND may look at n, the time.
under_load() {
	local times=$1 n failed
	shift
	failed=$(stat failed)
	load_start
	for ((n = 0; n < times; n++)); do
		random_sleep 500
		"$@"
		load_moves
	done
	load_stop
	load_pauses "$1, seed $seed"
	(($(stat failed) == failed))
}

# What the last pass wrote, seen by aes-xts with the keys themselves.
load_verify_raw() {
	load_run
	close_volumes
	load_open_with aes clear
	load_run verify_only=1
	close_volumes
	load_open_with paes blob
}
