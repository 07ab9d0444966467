#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The claim: paes status tells of every volume, key and token what is so, and
# what isn't known, it doesn't guess.
# shellcheck disable=SC2016,SC2317 # jq has its own $; called by check
. "$(dirname -- "$0")/common.sh"

needs_module
has cryptsetup
has jq
[[ -r /sys/kernel/debug/paes/keys ]] || skip_all "needs debugfs"
needs_paesd

# status FILTER: true of the status
status() {
	paes status --json >"$work/status" || return
	jq -e --arg id "$id" --arg id2 "$id2" "$1" "$work/status" >/dev/null || {
		echo "expected: $1"
		jq '{ keys: [ .keys[] | del(.latency) ], volumes, daemon }' "$work/status"
		return 1
	}
}

# luks_open NAME [OPTION...]
luks_open() {
	cryptsetup open --key-file "$work/pass" "${@:2}" "${disk[$1]}" "paes_test_$1"
}

nothing_open() {
	status '.keys == [] and (.volumes | type) == "array"'
}

plain_volume() {
	cryptsetup open --type plain "${xts[@]}" --key-file "$work/a.blob" \
		"${disk[a]}" paes_test_a
	status '[ .keys[] | [ .key_id, .volume, .state ] ] == [ [ $id, "paes_test_a", "open" ] ]
		and [ .volumes[] | select(.name == "paes_test_a") | .key_id, .found_by, .keyring ]
			== [ $id, "table", null ]'
}

figures() {
	local before after
	udevadm settle 2>/dev/null || :
	before=$(paes status --json | jq '[ .keys[0].latency[] ] | add')
	dd if=/dev/mapper/paes_test_a iflag=direct bs=4k count=8 status=none >/dev/null
	after=$(paes status --json | jq '[ .keys[0].latency[] ] | add')
	((after - before == 64)) || {
		echo "expected 64 requests, found $((after - before))"
		return 1
	}
	status '.keys[0].latency_us > 0 and .keys[0].in_flight == 0 and .keys[0].failed == 0
		and ([ .daemon.tokens[0].calls[] ] | add) > 0'
}

prometheus() {
	local count
	paes status --prometheus >"$work/metrics"
	count=$(jq '[ .keys[0].latency[] ] | add' "$work/status")
	grep -Eq "^paes_key_latency_seconds_count\{.*key_id=\"$id\"\} $count$" "$work/metrics"
	grep -Eq "^paes_key_info\{.*state=\"open\",volume=\"paes_test_a\"\} 1$" "$work/metrics"
	grep -Eq '^paes_daemon_up 1$' "$work/metrics"
}

luks_in_the_keyring() {
	luks_open b
	status '[ .volumes[] | select(.name == "paes_test_b") ] ==
		[ { name: "paes_test_b", key_id: $id2, found_by: "elimination",
		    keyring: .volumes[-1].keyring } ]
		and (.volumes[-1].keyring | startswith("logon:cryptsetup:"))
		and (.keys | map(.volume) | sort) == [ "paes_test_a", "paes_test_b" ]'
}

two_in_the_keyring() {
	luks_open c
	status '[ .volumes[] | select(.keyring) | .key_id ] == [ null, null ]
		and (.keys | map(select(.volume)) | map(.volume)) == [ "paes_test_a" ]'
	cryptsetup close paes_test_c
}

luks_in_the_table() {
	cryptsetup close paes_test_b
	luks_open b --disable-keyring
	status '[ .volumes[] | select(.name == "paes_test_b") | .key_id, .found_by ]
		== [ $id2, "table" ]'
}

not_for_everybody() {
	! setpriv --reuid 65534 --regid 65534 --clear-groups paes status >"$work/said" ||
		return 1
	(($(grep -c 'not known (.*Permission denied)' "$work/said") >= 4))
}

declare -A disk
set -e
printf passphrase >"$work/pass"
for name in a b c; do
	paes generate -o "$work/$name.blob" >/dev/null
	make_device 40M
	disk[$name]=$device
done
for name in b c; do
	cryptsetup luksFormat --type luks2 "${xts[@]}" "${fast[@]}" \
		--luks2-keyslots-size 8m --key-file "$work/pass" \
		--volume-key-file "$work/$name.blob" "${disk[$name]}"
done
id=$(paes inspect --json "$work/a.blob" | jq -r .key_id)
id2=$(paes inspect --json "$work/b.blob" | jq -r .key_id)
set +e

plan 8
check "no volume, no key" nothing_open
check "a plain volume is named with its key" plain_volume
check "requests are counted" figures
check "Prometheus is told the same" prometheus
check "LUKS2 by the keyring: the one that is left" luks_in_the_keyring
check "two of them: nothing is guessed" two_in_the_keyring
check "LUKS2 without the keyring" luks_in_the_table
check "what others can't read is said so" not_for_everybody
finish
