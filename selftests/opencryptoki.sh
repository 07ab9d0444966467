#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The claim: what "paes token" says of opencryptoki's soft token is what becomes
# of keys in it, and nothing is left there.
# shellcheck disable=SC2317 # called by check
. "$(dirname -- "$0")/common.sh"

((EUID == 0)) || skip_all "needs root"
has paes
has jq
has pkcsslotd
has pkcsconf
! pgrep -x pkcsslotd >/dev/null || skip_all "pkcsslotd runs already: its tokens are somebody's"
module=$(find /usr/lib -path '*/pkcs11/libopencryptoki.so' | head -n 1)
[[ $module ]] || skip_all "needs the PKCS#11 module libopencryptoki.so"
objects=/var/lib/opencryptoki/swtok/TOK_OBJ
options=(--token "pkcs11:token=paes?module-path=$module" --pin-file "$work/pin")

# Its tokens exist when the daemon runs; PINs have to be changed before use.
make_token() {
	local slot
	slot=$(pkcsconf -t | awk '/^Token #/ { sub(/#/, "", $2); slot = $2 } $1 == "Model:" && $2 == "Soft" { print slot; exit }')
	[[ $slot ]]
	printf '87654321\npaes\n' | pkcsconf -I -c "$slot"
	pkcsconf -P -c "$slot" -S 87654321 -n 76543210
	pkcsconf -u -c "$slot" -S 76543210 -n 12345678
	(umask 077 && echo 12345678 >"$work/pin")
}

# asks FILTER: of the last answer, as jq has it
asks() {
	jq -e "$1" "$work/answer" >/dev/null && return
	printf 'expected %s\n' "$1"
	cat "$work/answer"
	return 1
}

works() {
	asks ".mechanisms | any(.mechanism == \"$1\" and .works == \"$2\")"
}

kept() {
	asks ".rules | any(.rule == \"$1\" and .kept == \"$2\")"
}

looks_at_it() {
	paes token --no-speed --json "${options[@]}" >"$work/answer"
	works CKM_AES_ECB yes
	works CKM_AES_CBC yes
	works CKM_SHA256_HMAC yes
	kept generated_keys_unreadable yes
	kept sensitive_stays yes
	kept streams yes
	kept large_calls yes
}

native_xts() {
	works CKM_AES_XTS yes
	asks '.verdict | contains("though the token has native XTS")'
}

# As of 3.24; what a later one that wraps does, its own line has to say.
cannot_wrap() {
	works CKM_AES_KEY_WRAP no
	asks '.mechanisms | any(.mechanism == "CKM_AES_KEY_WRAP" and .offered == false)'
	asks '.verdict | startswith("usable for resident keys only: no CKM_AES_KEY_WRAP (not offered)")'
}

resident_key() {
	paes init --user root "${options[@]}"
	paes generate --resident --user root -o "$work/blob" "${options[@]}"
	paes verify "$work/blob" "${options[@]}"
	fails_with 'CKM_AES_KEY_WRAP|can.t wrap|--resident' \
		paes generate -o "$work/wrapped" "${options[@]}"
	[[ ! -e $work/wrapped ]]
	paes destroy --yes "$work/blob" "${options[@]}"
	fails_with 'paes-key' paes verify "$work/blob" "${options[@]}"
}

measures() {
	paes token --json "${options[@]}" >"$work/answer"
	asks '(.speed | length) == 5 and all(.speed[]; .encrypt_mb_s > 0 and .decrypt_mb_s > 0)'
	asks '(.processes | length) >= 2 and all(.processes[]; .mb_s > 0)'
}

interrupted() {
	local status=0
	timeout --signal INT 1 paes token "${options[@]}" >/dev/null || status=$?
	((status == 124 || status == 130))
}

# It keeps a file an object, beside an index, which it rewrites by IDX.TMP.
nothing_left() {
	local left
	left=$(find "$objects" -type f ! -name OBJ.IDX ! -name IDX.TMP)
	[[ ! $left && ! -s $objects/OBJ.IDX ]] || {
		printf '%s\n' "$left"
		cat "$objects/OBJ.IDX"
		return 1
	}
}

systemd-tmpfiles --create opencryptoki.conf >/dev/null 2>&1
install -d -m 770 -g pkcs11 /run/lock/opencryptoki /var/lock/opencryptoki
# None was there before, and this one goes into the background by itself.
trap 'pkill -KILL -x pkcsslotd; clean_up' EXIT
pkcsslotd >"$work/pkcsslotd.log" 2>&1
for ((try = 0; try < 100; try++)); do
	! pkcsconf -t >/dev/null 2>&1 || break
	sleep 0.1
done

plan 8
check "a token is made" make_token
check "what works, and what is kept" looks_at_it
check "it has native XTS" native_xts
check "it can't wrap" cannot_wrap
check "its speed, and that of several processes" measures
check "interrupted" interrupted
check "nothing is left in the token" nothing_left
check "a resident key comes and goes" resident_key
finish
