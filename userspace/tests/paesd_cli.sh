#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# paesd as a whole: options, exit statuses, PINs, workers, status.
# Usage: paesd_cli.sh BUILD-DIRECTORY.  Exit 4: SoftHSM is missing.
# shellcheck disable=SC2317 # functions are called through ok and eventually
set -u

build=$(realpath "$1")
paesd=$build/bin/paesd
answer=$(realpath "$(dirname "$0")")/answer
helper=$build/tests/bin/paesd_helper
fakedev=$build/tests/bin/paesd_fakedev.so
module=$build/tests/bin/paesd_countlogin.so

command -v softhsm2-util >/dev/null || { echo "SKIP: no softhsm2-util"; exit 4; }

dir=$(mktemp -d)
pid=
failed=0
number=0

clean_up() {
	[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null
	rm -rf "$dir"
}
trap clean_up EXIT

ok() { # TEXT COMMAND...: one test
	local text=$1
	shift
	number=$((number + 1))
	if "$@"; then
		echo "ok $number $text"
	else
		echo "not ok $number $text"
		sed 's/^/# /' "$dir/log"
		failed=1
	fi
}

run() { # STATUS ARGUMENT...: paesd in the foreground, its messages in $dir/log
	local want=$1 got=0
	shift
	timeout 120 "$paesd" --status-socket "$dir/sock" "$@" >"$dir/log" 2>&1 </dev/null || got=$?
	[ "$got" = "$want" ] || { echo "# exit status $got, expected $want"; return 1; }
}

says() { grep -q -- "$1" "$dir/log"; }
never_says() { ! grep -q -- "$1" "$dir/log"; }
run_says() { # STATUS PATTERN ARGUMENT...
	local status=$1 pattern=$2
	shift 2
	run "$status" "$@" && says "$pattern"
}

logins() { # EXPECTED: PINs tried since the last call
	local got=0
	[ ! -f "$dir/count" ] || got=$(wc -l <"$dir/count")
	rm -f "$dir/count"
	[ "$got" = "$1" ] || { echo "# $got logins, expected $1"; return 1; }
}

start() { # ARGUMENT...: paesd in the background, over the played device
	LD_PRELOAD=$fakedev PAES_FAKE_DEVICE=$dir/dev "$paesd" \
		--status-socket "$dir/sock" --device "$dir/dev" "$@" >"$dir/log" 2>&1 </dev/null &
	pid=$!
}

eventually() { # COMMAND...: within a minute, which a loaded machine may need
	local i
	for ((i = 0; i < 600; i++)); do
		"$@" && return
		sleep 0.1
	done
	return 1
}

status_has() { "$helper" ask "$dir/sock" 2>/dev/null | grep -q -- "$1"; }
worker() { # N: pid of the Nth worker in the status
	"$helper" ask "$dir/sock" | grep -o '"number":[0-9]*,"pid":[0-9]*' | sed -n "s/\"number\":$1,\"pid\"://p"
}

ends() { # STATUS: and soon
	local got=0
	eventually ended || return 1
	wait "$pid" || got=$?
	pid=
	[ "$got" = "$1" ] || { echo "# exit status $got, expected $1"; return 1; }
}
ended() { ! kill -0 "$pid" 2>/dev/null; }
gone() { ! kill -0 "$1" 2>/dev/null; }

export SOFTHSM2_CONF=$dir/softhsm2.conf PAES_LOGIN_DIR=$dir
mkdir "$dir/tokens"
printf 'directories.tokendir = %s\nlog.level = ERROR\n' "$dir/tokens" >"$SOFTHSM2_CONF"
umask 077
printf '271828\n' >"$dir/pin"
printf '314159\n' >"$dir/wrong"
: >"$dir/empty"
: >"$dir/dev"
for label in one two bare; do
	softhsm2-util --init-token --free --label $label --pin 271828 --so-pin 12345678 >/dev/null
done
one="pkcs11:token=one?module-path=$module"
two="pkcs11:token=two?module-path=$module"
bare="pkcs11:token=bare?module-path=$module"
"$helper" kek "$one" "$dir/pin" || exit 1
"$helper" kek "$two" "$dir/pin" || exit 1
rm -f "$dir/count"

echo "# the data path on SoftHSM"
ok "sectors are AES-XTS" "$build/tests/bin/paesd_softhsm" "$one" "$dir/pin" 2>"$dir/log"
rm -f "$dir/count"

echo "# the command line and the configuration"
ok "--help names the exit statuses" run_says 0 "3  PIN refused" --help
ok "--help hides --worker" never_says "--worker=N"
ok "--version" run_says 0 "^paesd [0-9]" --version
ok "unknown option" run 2 --frobnicate
ok "stray argument" run_says 2 '"stray"' stray
ok "--token and --config" run_says 2 "exclude each other" --token "$one" --config x
ok "--pin-file without --token" run_says 2 "go with --token" --pin-file x
ok "--workers 0" run_says 2 'not "0"' --token "$one" --workers 0
ok "--workers x" run_says 2 'not "x"' --token "$one" --workers x
ok "--workers -1" run_says 2 'not "-1"' --token "$one" --workers -1
ok "--worker by hand" run_says 2 "paesd's own use" --worker 1 --token "$one"
ok "no configuration file" run_says 2 "$dir/none" --config "$dir/none"
echo '{ "tokens": [ { "url": "x" } ] }' >"$dir/typo.json"
ok "unknown name in the configuration" run_says 2 "url" --config "$dir/typo.json"
ok "rubbish for a URI" run 2 --token "pkcs12:token=one" --pin-file "$dir/pin"
ok "PIN in the URI" run_says 2 "pin-value" --token "$one&pin-value=271828" --pin-file "$dir/pin"
ok "... is not repeated" never_says 271828
ok "pin-source in the URI" run_says 2 "pin-file" --token "$one&pin-source=/x" --pin-file "$dir/pin"

echo "# what is missing"
ok "no device" run_says 1 "modprobe paes" --token "$one" --pin-file "$dir/pin" --device "$dir/none"
ok "no PIN file" run_says 1 "$dir/none" --token "$one" --pin-file "$dir/none" --device "$dir/dev"
ok "empty PIN" run_says 1 "empty" --token "$one" --pin-file "$dir/empty" --device "$dir/dev"
ok "no PIN was tried for any of these" logins 0
: >"$dir/plain"
ok "a file where the status socket should be" run_says 1 "is no socket" --status-socket "$dir/plain" \
	--token "$one" --pin-file "$dir/pin" --device "$dir/dev"

echo "# PINs"
ok "wrong PIN" run_says 3 "not tried again" --token "$one" --pin-file "$dir/wrong" --device "$dir/dev" --workers 4
ok "... was tried once" logins 1
ok "... and is not in the log" never_says 314159
touch "$dir/die"
ok "login that kills the worker" run_says 1 "exited with 5, as SoftHSM" --token "$one" --pin-file "$dir/pin" \
	--device "$dir/dev" --workers 4
ok "... was tried twice, not three times" logins 2
rm "$dir/die"

echo "# trouble that may pass"
start --token "pkcs11:token=one?module-path=$dir/none.so" --pin-file "$dir/pin" --workers 2
ok "module that is missing" eventually says "$dir/none.so"
ok "... is tried again" eventually says "starts in 200 ms"
ok "... and no other worker before" never_says "worker 2"
ok "... and shows as failed" status_has '"state":"failed"'
kill "$pid"
ok "... until SIGTERM" ends 0
start --token "$bare" --pin-file "$dir/pin" --workers 1
ok "token without KEK" eventually says 'paes init'
kill -INT "$pid"
ok "SIGINT ends it too" ends 0
timeout -s TERM 3 "$paesd" --status-socket "$dir/sock" --token "$one" --pin-file "$dir/pin" \
	--device "$dir/dev" --workers 1 >"$dir/log" 2>&1 </dev/null
ok "device that is another one" says "is not the device of the paes module"
rm -f "$dir/count"

echo "# serving"
"$helper" notify "$dir/notify" >"$dir/notified" &
notify=$!
eventually test -S "$dir/notify"
NOTIFY_SOCKET=$dir/notify start --token "$one" --pin-file "$dir/pin" --workers 3
ok "ready" eventually grep -q READY=1 "$dir/notified"
ok "all workers serve" eventually grep -q "served by 3 workers" "$dir/notified"
ok "one login for each" logins 3
kill "$notify"
wait "$notify" 2>/dev/null
ok "status: serving" status_has '^{"version":"[^"]*","pid":[0-9]*,"state":"serving"'
ok "status: KEK" status_has '"keks":\["4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b"\]'
ok "the socket is root's alone" test "$(stat -c %a "$dir/sock")" = 600
first=$(worker 1)
# shellcheck disable=SC2016 # not to be expanded here
ok "no PIN in arguments or environment" bash -c '
	! cat /proc/'"$pid"'/{cmdline,environ} /proc/'"$first"'/{cmdline,environ} | grep -aq 271828'
ok "a worker is one provider" test \
	"$(find "/proc/$first/fd" -lname "$dir/dev" | wc -l)" = 1
ok "a second paesd is refused" run_says 1 "another paesd answers" --token "$one" --pin-file "$dir/pin" --device "$dir/dev"
ok "... without a login" logins 0
kill -HUP "$pid"
ok "SIGHUP is explained" eventually says "SIGHUP: nothing is read again"
"$helper" hold "$dir/sock" 2 &
sleep 0.3
kill -9 "$first"
ok "a killed worker is replaced, slow readers or not" eventually says "killed by signal 9"
wait $!
ok "... and counted" eventually status_has '"restarts":1'
ok "... with one login" logins 1
kill -9 "$(worker 1)"
ok "the second time after a pause" eventually says "starts in 100 ms"
eventually status_has '"restarts":2'
eventually logins 1
touch "$dir/refuse"
kill -9 "$(worker 2)"
ok "PIN changed meanwhile: refused" eventually status_has '"state":"pin-refused"'
kill -9 "$(worker 1)"
sleep 1
ok "... tried once" logins 1
ok "... and what is left serves on" test -d "/proc/$(worker 3)"
kill -9 "$(worker 3)"
ok "... to its end" ends 3
ok "the socket is gone" test ! -e "$dir/sock"
rm -f "$dir/refuse"
logins 0

echo "# a PIN from the terminal"
LD_PRELOAD=$fakedev PAES_FAKE_DEVICE=$dir/dev "$answer" "PIN of" 271828 "$paesd" \
	--status-socket "$dir/sock" --device "$dir/dev" --token "$one" --workers 1 \
	>"$dir/log" 2>&1 &
pid=$!
ok "is asked for" eventually status_has '"state":"serving"'
kill -TERM "$(pgrep -P "$pid")"
ok "and the foreground ends" ends 0
ok "it wasn't shown" never_says 271828
rm -f "$dir/count"

echo "# two tokens, one with the wrong PIN"
cat >"$dir/two.json" <<JSON
{ "tokens": [ { "uri": "$one", "pin-file": "$dir/wrong", "workers": 1 },
	      { "uri": "$two", "pin-file": "$dir/pin", "workers": 2 } ] }
JSON
start --config "$dir/two.json"
ok "one serves" eventually status_has '"label":"two","state":"serving"'
ok "the other is refused" eventually status_has '"label":"one","state":"pin-refused"'
ok "ready all the same" eventually says "paesd: ready"

echo "# ends"
eventually status_has '"number":3,"pid":[0-9]*,"state":"serving"'
second=$(worker 2)
third=$(worker 3)
kill -9 "$pid"
wait "$pid" 2>/dev/null
ok "workers die with the supervisor" eventually gone "$second"
ok "all of them" eventually gone "$third"
start --token "$two" --pin-file "$dir/pin" --workers 2
ok "a socket left behind is replaced" eventually status_has '"number":2,"pid":[0-9]*,"state":"serving"'
first=$(worker 1)
kill -STOP "$first"
kill "$pid"
ok "a worker that hangs doesn't stop the end" ends 0
ok "... it was killed" gone "$first"

echo "1..$number"
exit $failed
