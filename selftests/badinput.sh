#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The claim: paes and paesd refuse what is wrong, say what, and do no harm.
# shellcheck disable=SC2317 # called by check
. "$(dirname -- "$0")/common.sh"

config=/etc/paes/paes.json

needs_module
has paes
has jq
has xxd
[[ -r $config ]] || skip_all "needs $config"
needs_paesd
uri=$(jq -r '.tokens[0].uri' "$config")
pin=$(jq -r '.tokens[0]["pin-file"]' "$config")
pkcs11=${uri##*module-path=}
another=(paesd --status-socket "$work/another.sock"
	--control-socket "$work/control.sock" --revoked "$work/revoked")

# COMMAND must exit with STATUS and say PATTERN.
exits() {
	local expected=$1 pattern=$2 output status
	shift 2
	output=$(timeout 60 "$@" 2>&1) && status=0 || status=$?
	if ((status != expected)) || ! grep -Eqi -- "$pattern" <<<"$output"; then
		printf 'expected status %d and "%s" from: %s\nfound status %d and: %s\n' \
			"$expected" "$pattern" "$*" "$status" "$output"
		return 1
	fi
}

# One try, however many workers; beside the paesd that runs.
wrong_pin() {
	local status=0
	printf 'certainly-not\n' >"$work/wrong-pin"
	chmod 600 "$work/wrong-pin"
	timeout 60 "${another[@]}" --token "$uri" --workers 4 \
		--pin-file "$work/wrong-pin" >"$work/log" 2>&1 || status=$?
	cat "$work/log"
	((status == 3))
	(($(grep -c C_Login "$work/log") == 1))
	(($(grep -c certainly-not "$work/log") == 0))
}

token_is_not_locked() {
	paes generate --token "$uri" --pin-file "$pin" -o "$work/blob"
	paes verify "$work/blob"
}

wrong_pin_of_the_tool() {
	exits 1 'PIN' paes generate --token "$uri" \
		--pin-file "$work/wrong-pin" -o "$work/none"
	[[ ! -e $work/none ]]
}

empty_pin() {
	: >"$work/empty-pin"
	chmod 600 "$work/empty-pin"
	exits 1 'empty' paes generate --token "$uri" \
		--pin-file "$work/empty-pin" -o "$work/none"
}

module_missing() {
	exits 1 'nowhere\.so' paes generate --pin-file "$pin" -o "$work/none" \
		--token 'pkcs11:token=paes?module-path=/nowhere.so'
}

slot_missing() {
	exits 1 'no token matches' paes generate --pin-file "$pin" \
		-o "$work/none" \
		--token "pkcs11:token=no-such-token?module-path=$pkcs11"
}

# A second token beside a copy of the first, so that none is harmed.
several_slots() {
	mkdir "$work/tokens"
	printf 'directories.tokendir = %s\nobjectstore.backend = file\n' \
		"$work/tokens" >"$work/softhsm2.conf"
	export SOFTHSM2_CONF=$work/softhsm2.conf
	softhsm2-util --init-token --free --label twin --so-pin 12345678 --pin 1234
	softhsm2-util --init-token --free --label twin --so-pin 12345678 --pin 1234
	exits 1 'tokens match' paes generate --pin-file "$pin" -o "$work/none" \
		--token "pkcs11:token=twin?module-path=$pkcs11"
}

output_exists() {
	printf precious >"$work/exists"
	exits 1 'exist' paes generate -o "$work/exists"
	[[ $(<"$work/exists") == precious ]]
	chmod 600 "$work/exists"
	paes generate --force -o "$work/exists"
	(($(stat -c %s "$work/exists") == 512))
}

output_is_a_symlink() {
	printf precious >"$work/target"
	ln -s "$work/target" "$work/link"
	exits 1 . paes generate -o "$work/link"
	[[ $(<"$work/target") == precious ]]
}

output_is_private() {
	(umask 0 && paes generate -o "$work/private")
	[[ $(stat -c %a "$work/private") == 600 ]] || {
		echo "expected mode 600, found $(stat -c %a "$work/private")"
		return 1
	}
}

import_sizes() {
	local size
	for size in 0 16 31 33 48 63 65 128; do
		head -c "$size" /dev/urandom >"$work/bad.key"
		exits 1 '32 or 64|bytes|empty' paes import \
			--key-file "$work/bad.key" -o "$work/none"
		[[ ! -e $work/none ]]
	done
}

import_equal_halves() {
	head -c 32 /dev/urandom >"$work/half"
	cat "$work/half" "$work/half" >"$work/bad.key"
	exits 1 'same|equal|halves' paes import --key-file "$work/bad.key" \
		-o "$work/none"
}

inspect_rubbish() {
	head -c 512 /dev/urandom >"$work/rubbish"
	exits 1 'magic|wrapped key' paes inspect "$work/rubbish"
	head -c 100 "$work/blob" >"$work/rubbish"
	exits 1 '512' paes inspect "$work/rubbish"
	exits 1 'no such file' paes inspect "$work/nowhere"
}

# One bit in the header: the form is right, the MAC isn't.
verify_changed() {
	local byte
	byte=$(xxd -p -s 24 -l 1 "$work/blob")
	cp "$work/blob" "$work/changed"
	printf '%s' "$(printf '%02x' $((0x$byte ^ 1)))" | xxd -r -p |
		dd of="$work/changed" bs=1 seek=24 conv=notrunc status=none
	paes inspect "$work/changed"
	exits 1 . paes verify "$work/changed"
}

wrong_usage() {
	exits 2 . paes
	exits 2 . paes no-such-command
	exits 2 '-o' paes generate
	exits 2 . paes generate --bits 192 -o "$work/none"
	exits 2 . paesd --no-such-option
	exits 2 . paesd --workers 0 --token "$uri"
}

wrong_config() {
	printf '{ "tokens": [ { "uri": "%s", "worker": 2 } ] }\n' "$uri" >"$work/bad.json"
	exits 2 'worker' "${another[@]}" --config "$work/bad.json"
	printf '{' >"$work/bad.json"
	exits 2 'bad\.json' "${another[@]}" --config "$work/bad.json"
}

pin_in_the_uri() {
	local with_pin="pkcs11:token=paes?module-path=$pkcs11&pin-value=telltale"
	exits 1 'PIN' paes generate -o "$work/none" --token "$with_pin"
	paes generate -o "$work/none" --token "$with_pin" >"$work/log" 2>&1 || :
	(($(grep -c telltale "$work/log") == 0))
}

# All that was done wrong above left the daemon serving.
still_serving() {
	serving
	paes verify "$work/blob"
}

nobody_sees_nothing() {
	exits 1 . setpriv --reuid 65534 --regid 65534 --clear-groups \
		cat /dev/paes
	! setpriv --reuid 65534 --regid 65534 --clear-groups \
		test -r "$pin"
}

plan 19
check "a wrong PIN: one try, status 3" wrong_pin
check "the token isn't locked" token_is_not_locked
check "paes: a wrong PIN" wrong_pin_of_the_tool
check "paes: an empty PIN isn't tried" empty_pin
check "no PKCS#11 module" module_missing
check "no such token" slot_missing
check "several tokens match" several_slots
check "an output that exists is kept, unless --force" output_exists
check "a symbolic link isn't followed" output_is_a_symlink
check "a wrapped key's file is private" output_is_private
check "import takes 32 or 64 bytes" import_sizes
check "import refuses equal halves" import_equal_halves
check "inspect refuses rubbish" inspect_rubbish
check "verify refuses a changed header" verify_changed
check "wrong usage is status 2" wrong_usage
check "a wrong configuration is named" wrong_config
check "a PIN in the URI is refused and not shown" pin_in_the_uri
check "nobody may open the device or read the PIN" nobody_sees_nothing
check "the daemon still serves" still_serving
finish
