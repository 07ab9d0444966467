#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# guest: --memory 1G
# The claim: a token that is reached over a connection, by p11-kit's remoting, may
# lose that, and its server may die or hang, in mid-I/O: requests wait until it is
# back, and no wrong byte is written.
# shellcheck disable=SC2317 # called by check
. "$(dirname -- "$0")/common.sh"
. "$here/load.sh"

needs_load
has jq p11-kit
needs_no_paesd
[[ -e /etc/paes/paes.json ]] || skip_all "needs a configured token"
client=$(find /usr/lib -name p11-kit-client.so -print -quit)
[[ $client ]] || skip_all "needs p11-kit-client.so"
softhsm=/usr/lib/softhsm/libsofthsm2.so
[[ -e $softhsm ]] || skip_all "needs SoftHSM"
socket=$work/server
times=$((full ? 30 : 3))

# A process for each connection is its child.
start_server() {
	rm -f "$socket"
	p11-kit server -f -n "$socket" --provider "$softhsm" 'pkcs11:' \
		>"$work/server.log" 2>&1 3>&- &
	echo $! >"$work/server.pid"
	disown	# no word of its death
	becomes_true 30 test -S "$socket"
}

servers() {
	cat "$work/server.pid"
	pgrep -P "$(cat "$work/server.pid")"
}

# What remoting carries: keys that are in the token, not wrapped ones.
use_remote() {
	export P11_KIT_SERVER_ADDRESS=unix:path=$socket
	load_import=(--resident)
	jq --arg path "$client" '.tokens[0].workers = 2 |
		.tokens[0]."call-seconds" = 15 |
		.tokens[0].uri |= sub("module-path=.*"; "module-path=" + $path)' \
		/etc/paes/paes.json >"$work/paes.json"
	paesd_options=(--config "$work/paes.json")
}

quiet() {
	"$@" >/dev/null 2>&1
}

# loses COMMAND...: under load it happens, and then the server comes back.
loses() {
	local n failed
	failed=$(stat failed)
	becomes_true 60 all_serve
	load_start
	for ((n = 0; n < times; n++)); do
		random_sleep 1000
		"$@"
		becomes_true 90 all_serve
		load_moves
		load_goes_on
	done
	load_stop
	load_pauses "$1, seed $seed"
	load_verify_raw
	(($(stat failed) == failed))
}

connection_ends() {
	becomes_true 60 quiet pkill -KILL -P "$(cat "$work/server.pid")"
}

server_dies() {
	# shellcheck disable=SC2046 # processes
	quiet kill -KILL $(servers)
	sleep 3
	start_server
}

# Until the supervisor has had enough of waiting.
server_hangs() {
	local all
	all=$(servers)
	# shellcheck disable=SC2086 # processes
	kill -STOP $all
	becomes_true 60 grep -q "hasn't come back" "$work/paesd.log"
	# shellcheck disable=SC2086 # processes
	quiet kill -KILL $all
	: >"$work/paesd.log"
	start_server
}

set -e
use_remote
start_server
set +e
needs_volumes
plan 3
check "the connection ends $times times" loses connection_ends
check "the server dies $times times" loses server_dies
times=1
check "the server hangs" loses server_hangs
end_paesd
quiet kill -KILL "$(cat "$work/server.pid")"
finish
