#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# paesd as a whole: options, exit statuses, PINs, workers, status.
# Usage: paesd_cli.sh BUILD-DIRECTORY.  Exit 4: SoftHSM is missing.
# shellcheck disable=SC2317 # functions are called through ok and eventually
set -u

: "${ASAN_OPTIONS:=}"
build=$(realpath "$1")
paesd=$build/bin/paesd
paes=$build/bin/paes
answer=$(realpath "$(dirname "$0")")/answer
helper=$build/tests/bin/paesd_helper
fakedev=$build/tests/bin/paesd_fakedev.so
module=$build/tests/bin/paesd_countlogin.so

command -v softhsm2-util >/dev/null || { echo "SKIP: no softhsm2-util"; exit 4; }

dir=$(mktemp -d)
own=(--status-socket "$dir/sock" --control-socket "$dir/control" --revoked "$dir/state/revoked")
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
	timeout 120 "$paesd" "${own[@]}" "$@" >"$dir/log" 2>&1 </dev/null || got=$?
	[ "$got" = "$want" ] || { echo "# exit status $got, expected $want"; return 1; }
}

says() { grep -q -- "$1" "$dir/log"; }
says_times() { [ "$(grep -c -- "$2" "$dir/log")" = "$1" ]; }
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
		"${own[@]}" --device "$dir/dev" "$@" >"$dir/log" 2>&1 </dev/null &
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
worker() { # N [STATE]: pid of the Nth worker in the status, if it is in STATE
	"$helper" ask "$dir/sock" | grep -o "\"number\":$1,\"pid\":[0-9]*,\"state\":\"${2-[^\"]*}\"" |
		sed 's/.*"pid":\([0-9]*\).*/\1/'
}

ends() { # STATUS: and soon
	local got=0
	eventually ended || return 1
	wait "$pid" || got=$?
	pid=
	[ "$got" = "$1" ] || { echo "# exit status $got, expected $1"; return 1; }
}
# Of any process that was started: a worker's end is nothing to go by.
no_reports() { cat "$dir"/sanitizer.* 2>/dev/null && return 1; true; }
ended() { ! kill -0 "$pid" 2>/dev/null; }
gone() { ! kill -0 "$1" 2>/dev/null; }

control() { # PATTERN ARGUMENT...: paes with these is done, and prints it
	local pattern=$1
	shift
	"$paes" "$1" --control-socket "$dir/control" --revoked "$dir/state/revoked" --json "${@:2}" \
		2>"$dir/said" | tr -d ' \n' >"$dir/printed"
	[ "${PIPESTATUS[0]}" = 0 ] && grep -Eq -- "${pattern// /}" "$dir/printed" && return
	sed 's/^/# /' "$dir/said" "$dir/printed"
	return 1
}
control_fails() { # PATTERN ARGUMENT...: on standard error
	local pattern=$1 got=0
	shift
	"$paes" "$1" --control-socket "$dir/control" --revoked "$dir/state/revoked" "${@:2}" \
		>"$dir/printed" 2>"$dir/said" || got=$?
	[ "$got" = 1 ] && grep -q -- "$pattern" "$dir/said" && return
	sed 's/^/# /' "$dir/said"
	return 1
}
lacks() { ! grep -q -- "$1" "$2"; }
second_paesd() { # STATUS PATTERN: with the same file of revoked keys only
	run_says "$@" --status-socket "$dir/sock2" --control-socket "$dir/control2" --token "$one" \
		--pin-file "$dir/pin" --device "$dir/dev"
}
hold_lock() { # SECONDS: of the directory, as paesd does
	exec 9<"$dir/state"
	flock 9
	exec sleep "$1"
}
is_locked() { ! flock -n "$dir/state" true; }
immutable=1
chattr_i() { chattr "$2" "$1" 2>/dev/null || immutable=0; }
skip() { # COUNT WHY
	local i
	for ((i = 0; i < $1; i++)); do
		number=$((number + 1))
		echo "ok $number # SKIP $2"
	done
}

# The played device is loaded before ASan, which would have to be the first.
export ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0:log_path=$dir/sanitizer
export UBSAN_OPTIONS=log_path=$dir/sanitizer
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
ok "--check says what is wrong" run_says 2 "url" --check --config "$dir/typo.json"
ok "--check says that all is right" run_says 0 "configuration of 1 token is right" --check --token "$one"
ok "--check looks at the URI" run_says 2 "pin-value" --check --token "$one&pin-value=271828"
ok "--adopt by hand" run_says 1 "for its own use" --adopt 1 --token "$one" --pin-file "$dir/pin" --device "$dir/dev"
ok "rubbish for a URI" run 2 --token "pkcs12:token=one" --pin-file "$dir/pin"
ok "PIN in the URI" run_says 2 "pin-value" --token "$one&pin-value=271828" --pin-file "$dir/pin"
ok "... is not repeated" never_says 271828
ok "pin-source in the URI" run_says 2 "pin-file" --token "$one&pin-source=/x" --pin-file "$dir/pin"

echo "# what is missing"
ok "no device" run_says 1 "modprobe paes" --token "$one" --pin-file "$dir/pin" --device "$dir/none"
ok "no PIN file" run_says 1 "$dir/none" --token "$one" --pin-file "$dir/none" --device "$dir/dev"
cat >"$dir/lacking.json" <<-END
	{ "tokens": [ { "uri": "$one", "pin-file": "$dir/pin" }, { "uri": "$two", "pin-file": "$dir/none" } ] }
END
ok "... of one token of two" run_says 1 "$dir/none" --config "$dir/lacking.json" --device "$dir/dev"
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
"$paesd" "${own[@]}" --token "$one" --pin-file "$dir/pin" \
	--device "$dir/dev" --workers 1 >"$dir/log" 2>&1 </dev/null &
pid=$!
ok "device that is another one" eventually says "is not the device of the paes module"
kill "$pid"
ok "... SIGTERM ends it" ends 0
rm -f "$dir/count"

echo "# a token that isn't what it should be"
mock="pkcs11:token=two?module-path=$build/tests/bin/mock_token.so"
mocked=(--token "$mock" --pin-file "$dir/pin" --workers 2)
export MOCK_BEHIND=/usr/lib/softhsm/libsofthsm2.so
MOCK_FAULT=cbc-only start "${mocked[@]}"
ok "CBC only" eventually says 'refused: no ECB (not offered), and by CBC each block'
ok "... shows in the status" eventually status_has '"state":"failed".*"last_error":"refused: no ECB'
ok "... and nothing is served" never_says "serves 1 KEK"
kill "$pid"
ok "... until SIGTERM" ends 0
MOCK_FAULT=unwrap-readable start "${mocked[@]}"
ok "keys stay readable" eventually says "refused: unwrapped keys stay readable"
kill "$pid"
ok "... so it ends without having served" ends 0
ok "... a KEK" never_says "serves 1 KEK"
MOCK_FAULT=unwrap-readable start "${mocked[@]}" --allow-readable-keys
ok "... unless that is allowed" eventually status_has '"number":2,"pid":[0-9]*,"state":"serving"'
ok "... which it warns of" says "unwrapped keys can be read by whoever"
ok "... once, by the first worker" test "$(grep -c "which is allowed" "$dir/log")" = 1
kill "$pid"
ends 0
cat >"$dir/allow.json" <<-END
	{ "tokens": [ { "uri": "$mock", "pin-file": "$dir/pin", "workers": 1, "allow-readable-keys": true } ] }
END
MOCK_FAULT=unwrap-readable start --config "$dir/allow.json"
ok "... by the configuration" eventually status_has '"number":1,"pid":[0-9]*,"state":"serving"'
kill "$pid"
ends 0
MOCK_FAULT=no-session-keys start "${mocked[@]}"
ok "one that can't be tried" eventually says "not known: no key to try it with"
ok "... isn't refused for that" eventually says "serves 1 KEK"
kill "$pid"
ends 0
ok "--rotate without --token" run_says 2 "go with --token" --rotate seconds:1
ok "--rotate without a unit" \
	run_says 2 '"requests:N" or "seconds:N"' --token pkcs11:token=a --rotate 10
ok "--rotate by too much" \
	run_says 2 "a number from 0 to" --token pkcs11:token=a --rotate requests:1000000001
ok "--allow-readable-keys without --token" run_says 2 "go with --token" --allow-readable-keys
ok "--probe by hand" run_says 2 "paesd's own use" --probe

echo "# serving"
"$helper" notify "$dir/notify" >"$dir/notified" &
notify=$!
eventually test -S "$dir/notify"
NOTIFY_SOCKET=$dir/notify start --token "$one" --pin-file "$dir/pin" --workers 3
ok "ready" eventually grep -q READY=1 "$dir/notified"
ok "all workers serve" eventually grep -q "served by 3 workers" "$dir/notified"
ok "one login for each" logins 3
ok "one look at the token for all" test "$(grep -c "usable: wrapped keys" "$dir/log")" = 1
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
"$helper" hold "$dir/sock" 2 &
sleep 0.3
kill -9 "$first"
ok "a killed worker is replaced, slow readers or not" eventually says "killed by signal 9"
wait $!
ok "... and counted" eventually status_has '"number":1,"pid":[1-9][0-9]*,"state":"serving","restarts":1'
ok "... with one login" logins 1
if "$helper" trace "$(worker 1)"; then
	ok "one that dies under a tracer's hands, too" eventually status_has '"number":1,"pid":[1-9][0-9]*,"state":"serving","restarts":2'
else
	skip 1 "worker 1 can't be traced: run it as root"
fi
logins 1 >/dev/null
killed_soon() { # before it has served for long: the next one has to wait
	local victim
	victim=$(worker 1 serving)
	[ -z "$victim" ] || kill -9 "$victim"
	says "starts in 100 ms"
}
ok "one that ends soon after a pause" eventually killed_soon
killed_often() {
	killed_soon
	[ "$(grep -c "starts in 200 ms" "$dir/log")" -ge 3 ]
}
ok "... which stays short, for it had served" eventually killed_often
eventually status_has '"number":1,"pid":[0-9]*,"state":"serving"'
logins 0 >/dev/null
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

echo "# a token whose label the module wouldn't take for a name"
softhsm2-util --init-token --free --label "HSM (UserPIN) ä" --pin 271828 --so-pin 12345678 >/dev/null
odd="pkcs11:token=HSM%20%28UserPIN%29%20%c3%a4?module-path=$module"
"$helper" kek "$odd" "$dir/pin" || exit 1
start --token "$odd" --pin-file "$dir/pin" --workers 1
ok "serves" eventually status_has '"label":"HSM (UserPIN) ä","state":"serving"'
kill "$pid"
ends 0
rm -f "$dir/count"

echo "# a device that may not be opened for a while"
start --token "$one" --pin-file "$dir/pin" --workers 1
eventually status_has '"state":"serving"'
touch "$dir/dev.denied"
kill -9 "$(worker 1)"
ok "is what the status tells" eventually status_has '"state":"failed".*"last_error":"can.t set up .*denied"'
rm "$dir/dev.denied"
ok "... and it isn't the PIN: it serves again" eventually status_has '"state":"serving"'
kill "$pid"
ends 0
rm -f "$dir/count"

echo "# a PIN from the terminal"
LD_PRELOAD=$fakedev PAES_FAKE_DEVICE=$dir/dev "$answer" "PIN of" 271828 "$paesd" \
	"${own[@]}" --device "$dir/dev" --token "$one" --workers 1 \
	>"$dir/log" 2>&1 &
pid=$!
ok "is asked for" eventually status_has '"state":"serving"'
kill -TERM "$(pgrep -P "$pid")"
ok "and the foreground ends" ends 0
ok "it wasn't shown" never_says 271828
rm -f "$dir/count"

echo "# SIGHUP: another paesd takes over"
all_new() { # OLD-PID...: three workers serve, and none of these is left
	[ "$("$helper" ask "$dir/sock" 2>/dev/null | grep -o '"number":[0-9]*,"pid":[0-9]*,"state":"serving"' | wc -l)" = 3 ] || return 1
	local old
	for old; do
		gone "$old" || return 1
	done
}
settled() { # COUNT: so many workers, and all of them serve
	[ "$("$helper" ask "$dir/sock" 2>/dev/null | grep -o '"state":"serving","restarts"' | wc -l)" = "$1" ] &&
		[ "$(pgrep -c -P "$pid")" = "$1" ]
}
all_there() { # PID...
	local each
	for each; do
		! gone "$each" || return 1
	done
}
lacks_token() { ! status_has "\"label\":\"$1\""; }
use_one() {
	echo '{ "tokens": [ { "uri": "'"$one"'", "pin-file": "'"$dir/pin"'", "workers": 3 } ] }' >"$dir/one.json"
}
mkdir "$dir/bin"
cp "$paesd" "$dir/bin/paesd"
installed=$paesd
paesd=$dir/bin/paesd
use_one
start --config "$dir/one.json"
eventually all_new
ok "three logins so far" logins 3
before=$(pgrep -P "$pid")
echo '{' >"$dir/one.json"
kill -HUP "$pid"
ok "a configuration that is wrong" eventually says "the running one does, with its own"
# shellcheck disable=SC2086 # a list
ok "... and nothing happens" test "$(pgrep -P "$pid")" = "$before"
use_one
: >"$dir/bin/new"
chmod 755 "$dir/bin/new"
mv "$dir/bin/paesd" "$dir/bin/old"
mv "$dir/bin/new" "$dir/bin/paesd"
kill -HUP "$pid"
ok "a program that can't be run" eventually says "going on as before"
ok "... and nothing happens" test "$(pgrep -P "$pid")" = "$before"
cp "$dir/bin/old" "$dir/bin/new"
mv "$dir/bin/new" "$dir/bin/paesd"
kill -HUP "$pid"
# shellcheck disable=SC2086
ok "a new program takes over" eventually all_new $before
ok "... in the same process" test "$(readlink "/proc/$pid/exe")" = "$dir/bin/paesd"
ok "... its workers are new, too" test "$(readlink "/proc/$(worker 1)/exe")" = "$dir/bin/paesd"
ok "... after one login for each" logins 3
before=$(pgrep -P "$pid")
echo '{ "tokens": [ { "uri": "'"$one"'", "pin-file": "'"$dir/wrong"'", "workers": 3 } ] }' >"$dir/one.json"
touch "$dir/refuse"
kill -HUP "$pid"
ok "a PIN that is wrong now" eventually status_has '"state":"pin-refused"'
ok "... is tried once" logins 1
ok "... and who serves, serves on" test "$(pgrep -P "$pid")" = "$before"
kill -HUP "$pid"
ok "the same wrong one, at the next reload" eventually says_times 1 "no PIN but the one that it refused"
mv "$dir/wrong" "$dir/away"
kill -HUP "$pid"
ok "... or gone, at the one after that" eventually says_times 2 "no PIN but the one that it refused"
mv "$dir/away" "$dir/wrong"
kill -HUP "$pid"
ok "... and back again" eventually says_times 3 "no PIN but the one that it refused"
ok "... shows as refused" eventually status_has '"state":"pin-refused"'
ok "... is not tried again" logins 0
ok "... and who serves, serves on" test "$(pgrep -P "$pid")" = "$before"
rm "$dir/refuse"
use_one
kill -HUP "$pid"
# shellcheck disable=SC2086
ok "the right one again" eventually all_new $before
logins 3
before=$(pgrep -P "$pid")
echo '{ "tokens": [ { "uri": "'"$two"'", "pin-file": "'"$dir/pin"'", "workers": 3 } ] }' >"$dir/one.json"
kill -HUP "$pid"
# shellcheck disable=SC2086
ok "another token takes the first one's place" eventually all_new $before
kill "$pid"
ok "SIGTERM ends it as ever" ends 0
paesd=$installed
rm -f "$dir/count"
LD_PRELOAD=$fakedev PAES_FAKE_DEVICE=$dir/dev "$answer" "PIN of" 271828 "$paesd" \
	--status-socket "$dir/sock" --device "$dir/dev" --token "$one" --workers 1 \
	>"$dir/log" 2>&1 &
pid=$!
eventually status_has '"state":"serving"'
first=$(worker 1)
kill -HUP "$(pgrep -P "$pid")"
ok "a PIN that was typed is handed over" eventually gone "$first"
ok "... and serves" eventually status_has '"state":"serving"'
kill -TERM "$(pgrep -P "$pid")"
ends 0
rm -f "$dir/count"

echo "# SIGHUP: what the successor lacks"
two_tokens() { # PIN-FILE of the second
	echo '{ "tokens": [ { "uri": "'"$one"'", "pin-file": "'"$dir/pin"'", "workers": 3 },
		{ "uri": "'"$two"'", "pin-file": "'"$1"'", "workers": 1 } ] }' >"$dir/one.json"
}
mkdir -p "$dir/bin"
cp "$installed" "$dir/bin/paesd"
paesd=$dir/bin/paesd
use_one
"$helper" notify "$dir/notify2" >"$dir/notified2" &
notify=$!
eventually test -S "$dir/notify2"
NOTIFY_SOCKET=$dir/notify2 start --config "$dir/one.json"
eventually all_new
before=$(pgrep -P "$pid")
two_tokens "$dir/none"
kill -HUP "$pid"
# shellcheck disable=SC2086
ok "another token, whose PIN can't be read: the first is served on" eventually all_new $before
ok "... by the successor" says "took over from the former paesd"
ok "... which says what it lacks" status_has '"label":"two","state":"failed".*"last_error":"no PIN'
ok "... and how to go on" says "put it where paesd reads it, then reload"
two_tokens "$dir/pin"
kill -HUP "$pid"
ok "once it can be read, the next reload serves it" eventually status_has '"label":"two","state":"serving"'
use_one
kill -HUP "$pid"
eventually lacks_token two
eventually settled 3
before=$(pgrep -P "$pid")
echo '{ "tokens": [ { "uri": "'"$two"'", "pin-file": "'"$dir/none"'", "workers": 1 } ] }' >"$dir/one.json"
: >"$dir/notified2"
kill -HUP "$pid"
ok "no token at all that could be served: it is ready" eventually grep -q READY=1 "$dir/notified2"
ok "... for the old workers stay" test "$(pgrep -P "$pid")" = "$before"
kill "$notify"
wait "$notify" 2>/dev/null
use_one
mv "$dir/dev" "$dir/away"
kill -HUP "$pid"
ok "a device that can't be opened" eventually says "$dir/dev is not there"
# shellcheck disable=SC2086
ok "... is tried again, and the old workers stay" all_there $before
mv "$dir/away" "$dir/dev"
# shellcheck disable=SC2086
ok "... until it can be" eventually all_new $before
before=$(pgrep -P "$pid")
echo '{ "revoked": [' >"$dir/state/revoked"
kill -HUP "$pid"
ok "half a file of revoked keys" eventually says "is not known, so nothing is served"
ok "... is seen before" eventually says "the running one does, with its own"
ok "... and nothing happens" test "$(pgrep -P "$pid")" = "$before"
rm "$dir/state/revoked"
echo '{ "version": 2, "workers": [], "pins": [] }' >"$dir/later"
ok "a program that is too old for what it would be left says so" run_says 1 "found version 2 .* expected version 1" \
	--check-handover 9 --token "$one" 9<"$dir/later"
cat >"$dir/bin/new" <<-'END'
	#!/bin/sh
	case "$*" in
	*--check-handover=*) grep -q '"version": 1, "workers": \[ {.*"pid".*"pins": \[ *\]' "/dev/fd/${*##*=}" && exit 1 ;;
	esac
	exit 0
END
chmod 755 "$dir/bin/new"
mv "$dir/bin/new" "$dir/bin/paesd"
: >"$dir/log"
kill -HUP "$pid"
ok "... when it is asked" eventually says "the running one does, with its own"
ok "... and nothing happens" test "$(pgrep -P "$pid")" = "$before"
kill "$pid"
ends 0
cp "$installed" "$dir/bin/new"
mv "$dir/bin/new" "$dir/bin/paesd"
rm -f "$dir/count"

echo "# SIGHUP: while the successor is starting"
id=00112233445566778899aabbccddeeff
use_one
start --config "$dir/one.json"
eventually all_new
before=$(pgrep -P "$pid")
# Slow to start, and a while neither the one nor the other.
cat >"$dir/bin/new" <<-END
	#!/bin/sh
	case "\$*" in
	*--adopt=*) sleep 3 ;;
	esac
	exec "$installed" "\$@"
END
chmod 755 "$dir/bin/new"
mv "$dir/bin/new" "$dir/bin/paesd"
kill -HUP "$pid"
is_between() { grep -q -- --adopt= "/proc/$pid/cmdline"; }
ok "there is nobody for a while" eventually is_between
ok "revoke waits for the successor" control '"daemon":"running"' revoke $id
ok "... which knows of it" status_has '"revoked":\["'$id'"\]'
# shellcheck disable=SC2086
ok "... and so do all workers" eventually all_new $before
ok "allow" control '"workers":3' allow $id
kill "$pid"
ends 0
paesd=$installed
hold_lock 1 &
eventually is_locked
start --config "$dir/one.json"
ok "a start waits for who changes the file of revoked keys" eventually all_new
kill "$pid"
ends 0
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

kill "$pid"
ended_well=0
ends 0 || ended_well=1
ok "SIGTERM ends it" test $ended_well = 0

echo "# revoking"
id=00112233445566778899aabbccddeeff
start --token "$one" --pin-file "$dir/pin" --workers 2
eventually status_has '"number":2,"pid":[0-9]*,"state":"serving"'
ok "the control socket is root's alone" test "$(stat -c %a "$dir/control")" = 600
ok "revoke: both workers confirm" control '"workers":2,"killed":0,"closed":0' revoke $id
ok "... and it is recorded" grep -q $id "$dir/state/revoked"
ok "... for root's eyes only" test "$(stat -c %a "$dir/state/revoked")" = 600
ok "... and said that no worker had it open" grep -q "no worker had this key open" "$dir/said"
ok "... in the status too" status_has '"revoked":\["'$id'"\]'
ok "once more is fine" control '"workers":2,"killed":0' revoke $id
ok "allow" control '"workers":2,"killed":0' allow $id
ok "... and it is recorded" lacks $id "$dir/state/revoked"
ok "... without a warning" lacks "was not revoked" "$dir/said"
ok "allow what isn't revoked" control '"workers":2' allow $id
ok "... with one" grep -q "was not revoked" "$dir/said"
first=$(worker 1)
kill -STOP "$first"
ok "revoke: a worker that hangs is killed" control '"workers":[12],"killed":1' revoke $id
ok "... and is gone" gone "$first"
ok "... and its successor serves" eventually status_has '"number":1,"pid":[0-9]*,"state":"serving","restarts":1'
kill "$pid"
ends 0
touch "$dir/slow"
rm -f "$dir/count"
start --token "$one" --pin-file "$dir/pin" --workers 1
ok "a token that is slow to be looked at" eventually test -s "$dir/count"
first=$(worker 1)
late=ffeeddccbbaa99887766554433221100
# Not "eventually": its worker has said by then that the token took the PIN.
sleep 1
ok "revoke doesn't wait for its worker" control '"workers":0,"killed":0' revoke $late
ok "... nor kill it" test -d "/proc/$first"
rm "$dir/slow"
ok "... which serves when it is ready" eventually status_has '"pid":'"$first"',"state":"serving","restarts":0'
ok "... and was told" control '"workers":1,"killed":0' revoke $late
control '"workers":1' allow $late
ok "rubbish on the control socket" "$helper" tell "$dir/control" 'x' 'unknown command'
ok "a command that isn't one" "$helper" tell "$dir/control" '{ "command": "open", "key_id": "'$id'" }' 'unknown command'
ok "a key id that isn't one" "$helper" tell "$dir/control" '{ "command": "revoke", "key_id": "4711" }' 'no key id'
ok "who says nothing is cut off" timeout 20 "$helper" tell "$dir/control" '' ''
ok "a second paesd can't use the same file" second_paesd 1 "another paesd keeps its revoked keys"
chattr_i "$dir/state" +i
if [ "$immutable" = 1 ]; then
	ok "what can't be recorded is revoked all the same" control_fails "couldn't be recorded" revoke 11112233445566778899aabbccddeeff
	ok "... and so it shows" status_has 11112233445566778899aabbccddeeff
	ok "... but nothing is allowed that can't be recorded" control_fails "can't be allowed" allow $id
	ok "... and so it shows" status_has $id
	chattr_i "$dir/state" -i
else
	skip 4 "no file system here that can make a directory immutable"
fi
kill -9 "$pid"
wait "$pid" 2>/dev/null
start --token "$one" --pin-file "$dir/pin" --workers 1
ok "kept across a restart" eventually status_has '"revoked":\["'$id'"\]'
kill "$pid"
ends 0
ok "allow without a daemon" control 'not running' allow $id
ok "... is in the file" lacks $id "$dir/state/revoked"
ok "revoke without a daemon" control 'not running' revoke $id
ok "... is in the file too" grep -q $id "$dir/state/revoked"
if [ "$(id -u)" = 0 ]; then
	owned=$(mktemp -d -p /tmp)
	chown nobody "$owned"
	"$paes" revoke --control-socket "$dir/control" --revoked "$owned/revoked" $id >"$dir/log" 2>&1
	ok "root leaves it to the directory's owner" test "$(stat -c %U "$owned/revoked")" = nobody
	rm -rf "$owned"
else
	skip 1 "another user's directory needs root"
fi
ok "the directory can't be made" control_fails "$dir/no/such" revoke $id --revoked "$dir/no/such/revoked"
hold_lock 3 &
eventually is_locked
ok "waits for who changes the file" control 'not running' revoke $id
wait $!
hold_lock 30 &
eventually is_locked
ok "but not for ever" control_fails "but none listens" revoke $id
kill $!
truncate -s -3 "$dir/state/revoked"
ok "half a file: nothing is served" run_says 1 "is not known, so nothing is served" --token "$one" \
	--pin-file "$dir/pin" --device "$dir/dev"
ok "... and nothing changed" control_fails "is not known, so nothing is served" allow $id
rm "$dir/state/revoked" "$dir/count"

echo "# a PIN that is changed on the token while paesd runs"
start --token "$two" --pin-file "$dir/pin" --workers 3
eventually status_has '"number":3,"pid":[0-9]*,"state":"serving"'
logins 3
ok "the PIN is changed" "$helper" newpin /usr/lib/softhsm/libsofthsm2.so two 271828 161803
ok "... which disturbs nobody" status_has '"state":"serving","restarts":0'
kill -9 "$(worker 1)"
ok "the next worker is refused" eventually status_has '"label":"two","state":"pin-refused"'
ok "... which the status counts" status_has '"CKR_PIN_INCORRECT":1'
kill -9 "$(worker 2)"
sleep 2
ok "... the old PIN was tried once" logins 1
ok "... and what is left serves on" status_has '"number":3,"pid":[1-9][0-9]*,"state":"serving"'
kill -9 "$(worker 3)"
ok "... to its end" ends 3
ok "... without another try" logins 0
ok "started again, it tries it once" run 3 --token "$two" --pin-file "$dir/pin" --device "$dir/dev" --workers 3
ok "... once" logins 1
printf '161803\n' >"$dir/newpin"
start --token "$two" --pin-file "$dir/newpin" --workers 1
ok "with the new PIN it serves" eventually status_has '"label":"two","state":"serving"'
kill "$pid"
ends 0
"$helper" newpin /usr/lib/softhsm/libsofthsm2.so two 161803 271828 || exit 1
rm -f "$dir/count"

echo "# ends"
start --token "$two" --pin-file "$dir/pin" --workers 3
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
ok "no sanitizer complained" no_reports

echo "1..$number"
exit $failed
