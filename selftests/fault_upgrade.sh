#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# guest: --memory 1G
# The claim: paesd is upgraded under I/O: SIGHUP has the installed program take
# over, its workers one by one, and no request waits for it.
# shellcheck disable=SC2317 # called by check
. "$(dirname -- "$0")/common.sh"
. "$here/load.sh"

needs_load
has jq
needs_no_paesd
installed=$work/paesd
cp "$(command -v paesd)" "$installed"
paesd() {
	exec "$installed" "$@"
}
needs_volumes
times=$((full ? 20 : 5))

install_paesd() {
	cp "$installed" "$work/new"
	mv "$work/new" "$installed"
}

runs_installed() {
	[[ $(readlink "/proc/$1/exe") == "$installed" ]]
}

# An old one's program is "deleted" by then.
all_new() {
	local pid
	all_serve || return
	for pid in $(workers); do
		runs_installed "$pid" || return
	done
}

# A job in the background ignores SIGINT, until fio has come to mind it.
interrupted() {
	! kill -INT "$1" 2>/dev/null
}

# watched WHAT COMMAND...: beside the load, a job that reads one sector after the
# other, and says how long the slowest one took.
watched() {
	local what=$1 watch
	shift
	rm -f "$work/watching"
	(cd "$work" && exec fio --name=watch --filename=/dev/mapper/paes_test_b \
		--ioengine=libaio --direct=1 --rw=randread --bs=4k --offset=16M \
		--size=4M --time_based --runtime=3600 --output-format=json \
		--output="$work/watch.json" --exec_prerun="touch watching") &
	watch=$!
	becomes_true 120 test -e "$work/watching"
	"$@"
	becomes_true 60 interrupted "$watch"
	wait "$watch" || :
	# It says first that it was interrupted.
	sed -i -n '/^{/,$p' "$work/watch.json"
	note "$what: a read takes $(jq -r '.jobs[0].read.clat_ns |
		"\(.percentile["50.000000"] / 1e6) ms (median), \(.max / 1e6) ms at most"' \
		"$work/watch.json")"
	(($(jq '.jobs[0].error' "$work/watch.json") == 0))
}

upgrade() {
	install_paesd
	kill -HUP "$paesd"
	becomes_true 60 all_new
}

upgrade_often() {
	local n
	for ((n = 0; n < times; n++)); do
		upgrade
		load_goes_on
	done
}

upgrades() {
	local failed held
	becomes_true 30 all_serve
	failed=$(stat failed) held=$(stat held)
	load_start
	watched "nothing happens" sleep 15
	watched "paesd is upgraded $times times" upgrade_often
	load_stop
	load_verify_raw
	runs_installed "$paesd"
	(($(stat failed) == failed && $(stat held) == held))
}

broken_upgrade() {
	local before
	before=$(workers)
	printf 'not a program\n' >"$work/new"
	chmod +x "$work/new"
	cp "$installed" "$work/good"
	mv "$work/new" "$installed"
	load_start
	kill -HUP "$paesd"
	becomes_true 30 grep -q 'going on as before' "$work/paesd.log"
	[[ $(workers) == "$before" ]]
	load_stop
	mv "$work/good" "$installed"
}

plan 2
check "is upgraded $times times" upgrades
check "goes on when the new one can't be run" broken_upgrade
end_paesd
finish
