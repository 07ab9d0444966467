#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# guest: --memory 1G
# The claim: whenever a worker, or paesd with all its workers, is killed, no
# request is lost and none goes wrong; what was underway is issued again.
# shellcheck disable=SC2317 # called by check
. "$(dirname -- "$0")/common.sh"
. "$here/load.sh"

needs_load
needs_no_paesd
needs_volumes
disown "$paesd" # no word of its death
times=$((full ? 200 : 40))
restarts=$((full ? 50 : 10))

kill_a_worker() {
	local workers
	becomes_true 60 any_serves
	mapfile -t workers < <(serving_workers)
	((!${#workers[@]})) || kill -KILL "${workers[RANDOM % ${#workers[@]}]}" || :
}

# Under load COMMAND, TIMES times; requests must have been caught underway.
killed_under_load() {
	local what=$1 times=$2 n reissued held failed
	shift 2
	reissued=$(stat reissued) held=$(stat held) failed=$(stat failed)
	load_start
	for ((n = 0; n < times; n++)); do
		random_sleep 1500
		"$@"
		load_moves
	done
	load_stop
	load_verify_raw
	load_pauses "$what"
	note "seed $seed: $((n)) times, $(($(stat reissued) - reissued)) requests issued again, $(($(stat held) - held)) held, $(wc -l <"$work/load.passes") passes of fio"
	(($(stat reissued) > reissued))
	(($(stat failed) == failed))
}

workers_die() {
	killed_under_load "a worker's death" "$times" kill_a_worker
}

kill_paesd() {
	becomes_true 60 all_serve
	pkill -KILL -x 'paesd(-worker)?'
	random_sleep 300
	start_paesd
}

all_die() {
	killed_under_load "the death of paesd" "$restarts" kill_paesd
}

plan 2
check "a worker is killed $times times" workers_die
check "paesd is killed with all its workers $restarts times" all_die
end_paesd
finish
