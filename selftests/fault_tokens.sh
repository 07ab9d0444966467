#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# guest: --memory 1G
# The claim: of two tokens with the same KEK either may go away, fail or be slow,
# and I/O goes on, spread by what each can do; a wrapped key for two KEKs opens
# with either; and volumes on different tokens don't wait for each other.
# shellcheck disable=SC2317 # called by check
. "$(dirname -- "$0")/common.sh"
. "$here/load.sh"

needs_module
has fio
has dmsetup
has xxd
has softhsm2-util
has cryptsetup
serving && skip_all "needs to start paesd itself"
[[ -e $here/badtoken.so ]] || skip_all "needs badtoken.so, which needs p11-kit to be built"
tokens=/var/lib/softhsm/tokens
pin=/etc/paes/pin
one="pkcs11:token=paes?module-path=/usr/lib/softhsm/libsofthsm2.so"
other="pkcs11:token=other?module-path=$here/badtoken.so"
export PAES_BADTOKEN=$work/bad
mkdir "$PAES_BADTOKEN"
times=$((full ? 10 : 2))

directories() {
	find "$tokens" -mindepth 1 -maxdepth 1 -printf '%f\n'
}

# The two tokens, the KEK that both have, and one in each that only it has.
make_tokens() {
	directories >"$work/first"
	softhsm2-util --init-token --free --label other --pin "$(<"$pin")" --so-pin 5678
	paes init --new --user root --token "$one" --pin-file "$pin" \
		--replica "$other" --replica-pin-file "$pin" >"$work/both.kek"
	paes init --new --user root --token "$one" --pin-file "$pin" >"$work/one.kek"
	paes init --new --user root --token "$other" --pin-file "$pin" >"$work/other.kek"
} >/dev/null

kek() {
	sed -n 's/^kek id: //p' "$work/$1.kek"
}

token_json() {
	printf '{ "uri": "%s", "pin-file": "%s", "workers": 1, "call-seconds": 15 }' \
		"$1" "$pin"
}

no_paesd() {
	! pgrep -x 'paesd(-worker)?' >/dev/null
}

# use_tokens URI...: paesd runs with these.
use_tokens() {
	local uri json=
	for uri; do
		json+=${json:+, }$(token_json "$uri")
	done
	printf '{ "tokens": [ %s ] }\n' "$json" >"$work/paes.json"
	paesd_options=(--config "$work/paes.json")
	pkill -x paesd || :
	becomes_true 60 no_paesd
	start_paesd
	becomes_true 60 serve $#
}

# So many workers.
serve() {
	(($(grep -c ' serving ' /sys/kernel/debug/paes/providers) == $1))
}

# The directory of a token, by what was there before the second one was made.
directory() {
	local other=-v
	[[ $1 != paes ]] || other=
	directories | grep ${other:+"$other"} -xF -f "$work/first"
}

# Requests that the worker of a token has answered.
served() {
	awk -v token="$1" '$2 ~ ":" token "$" { print $7 }' \
		/sys/kernel/debug/paes/providers
}

worker() {
	awk -v token="$1" '$2 ~ ":" token "$" { print $3 }' \
		/sys/kernel/debug/paes/providers
}

answers_more() {
	(($(served "$1") > $2))
}

# As load.sh has it, but with the KEK that both tokens have.
load_make_key() {
	head -c 64 /dev/urandom >"$work/$1.clear"
	paes import --token "$one" --pin-file "$pin" --kek "$(kek both)" \
		--key-file "$work/$1.clear" -o "$work/$1.blob" >/dev/null 2>&1
	make_device 32M
	printf '%s\n' "$device" >"$work/$1.device"
}

both_serve() {
	local failed before_one before_other
	failed=$(stat failed)
	load_start
	before_one=$(served paes) before_other=$(served other)
	becomes_true 60 answers_more paes "$before_one"
	becomes_true 60 answers_more other "$before_other"
	load_stop
	load_verify_raw
	(($(stat failed) == failed))
}

# goes_away TOKEN STAYING-TOKEN
# It comes back as a whole, by rename(2) in its own file system: a worker that
# finds it half copied serves the KEKs that it sees.
goes_away() {
	local failed away n before
	failed=$(stat failed)
	away=$tokens/$(directory "$1")
	load_start
	for ((n = 0; n < times; n++)); do
		mv "$away" "$tokens.away"
		kill -KILL "$(worker "$1")"
		becomes_true 30 serve 1
		before=$(served "$2")
		becomes_true 60 answers_more "$2" "$before"
		mv "$tokens.away" "$away"
		becomes_true 60 serve 2
		before=$(served "$1")
		becomes_true 60 answers_more "$1" "$before"
	done
	load_stop
	load_verify_raw
	(($(stat failed) == failed))
}

# What one does wrong, the other does again.
always() {
	local failed
	failed=$(stat failed)
	: >"$work/paesd.log"
	load_start
	printf '%s\n' "$1" >"$PAES_BADTOKEN/always"
	becomes_true 60 grep -aqE "$2" "$work/paesd.log"
	sleep 10
	load_moves
	rm "$PAES_BADTOKEN/always"
	becomes_true 60 serve 2
	load_stop
	load_verify_raw
	(($(stat failed) == failed))
}

# Its share is what it can do: one call at a time, each 100 ms longer.
slow_gets_less() {
	local fast slow failed
	failed=$(stat failed)
	load_start
	printf 'slow\n' >"$PAES_BADTOKEN/always"
	sleep 2
	fast=$(served paes) slow=$(served other)
	sleep 20
	fast=$(($(served paes) - fast)) slow=$(($(served other) - slow))
	rm "$PAES_BADTOKEN/always"
	load_stop
	note "in 20 s the fast token answered $fast requests, the slow one $slow"
	((slow > 0 && fast > 2 * slow && $(stat failed) == failed))
	load_verify_raw
}

# seal_two KEK KEK: two.blob is for the one's and for the other's.
seal_two() {
	paes generate -o "$work/two.blob" --force --token "$one" --pin-file "$pin" \
		--kek "$1" --recipient "$other" --recipient-pin-file "$pin" \
		--recipient-kek "$2" >/dev/null
}

open_two() {
	dmsetup create paes_test_two --table "0 $(blockdev --getsz "$(<"$work/a.device")") \
		crypt paes-xts-plain64 $(xxd -p -c 0 "$work/two.blob") 0 \
		$(<"$work/a.device") 0 1 sector_size:4096"
}

reads_same() {
	open_two
	dd if=/dev/mapper/paes_test_two bs=64k count=32 iflag=direct status=none |
		cmp - "$work/data"
	close_volumes
}

two_recipients() {
	close_volumes
	seal_two "$(kek one)" "$(kek other)"
	head -c 2M /dev/urandom >"$work/data"
	use_tokens "$one"
	open_two
	dd if="$work/data" of=/dev/mapper/paes_test_two bs=64k oflag=direct status=none
	close_volumes
	use_tokens "$other"
	reads_same
	use_tokens "$one"
	reads_same
	# Removed, the one is of no more use.
	paes remove-recipient "$work/two.blob" --kek "$(kek one)" >/dev/null
	fails_with 'required key not available' open_two
	use_tokens "$other"
	reads_same
}

# format_luks OPTION...: on b's device, whose data begin at 16 MiB
format_luks() {
	cryptsetup luksFormat "${fast[@]}" --type luks2 "${xts[@]}" --sector-size 4096 \
		--volume-key-file "$work/two.blob" --key-file "$work/pass" "$@" \
		"$(<"$work/b.device")"
}

open_luks() {
	cryptsetup open --key-file "$work/pass" "$(<"$work/b.device")" paes_test_luks
}

# As README tells: a header with the wrapped key as it is now, the same data.
luks_in_place() {
	close_volumes
	printf 'a passphrase' >"$work/pass"
	seal_two "$(kek one)" "$(kek other)"
	use_tokens "$one"
	format_luks
	open_luks
	dd if="$work/data" of=/dev/mapper/paes_test_luks bs=64k oflag=direct status=none
	close_volumes
	paes remove-recipient "$work/two.blob" --kek "$(kek one)" >/dev/null
	use_tokens "$other"
	format_luks --offset 32768
	open_luks
	dd if=/dev/mapper/paes_test_luks bs=64k count=32 iflag=direct status=none |
		cmp - "$work/data"
	close_volumes
}

# A key for either KEK goes on with the other when a token goes away.
fails_over() {
	local away failed
	failed=$(stat failed)
	close_volumes
	seal_two "$(kek one)" "$(kek other)"
	use_tokens "$one" "$other"
	open_two
	dd if="$work/data" of=/dev/mapper/paes_test_two bs=64k oflag=direct status=none
	for token in paes other; do
		away=$tokens/$(directory "$token")
		mv "$away" "$tokens.away"
		kill -KILL "$(worker "$token")"
		becomes_true 30 serve 1
		dd if=/dev/mapper/paes_test_two bs=64k count=32 iflag=direct status=none |
			cmp - "$work/data"
		mv "$tokens.away" "$away"
		becomes_true 60 serve 2
	done
	close_volumes
	(($(stat failed) == failed))
}

# volume_on NAME TOKEN-URI KEK: a volume that only this token can serve.
volume_on() {
	paes generate -o "$work/$1.blob" --force --token "$2" --pin-file "$pin" \
		--kek "$3" >/dev/null
	load_volume "$1" 4096 paes "$work/$1.blob"
}

# Writes for SECONDS: volume_load NAME SECONDS DEPTH
volume_load() {
	fio --name="$1" --filename="/dev/mapper/paes_test_$1" --rw=randwrite \
		--bs=4k --ioengine=libaio --direct=1 --iodepth="$3" \
		--time_based --runtime="$2" --output="$work/$1.log"
}

# Requests that the fast token answers in 5 s of load on its volume.
fast_answers() {
	local before
	before=$(served paes)
	volume_load a 5 16 || return
	echo $(($(served paes) - before))
}

# By turns, since the machine may have other things to do.
no_waiting() {
	local n alone=0 beside=0 slow answers failed
	failed=$(stat failed)
	close_volumes
	volume_on a "$one" "$(kek one)"
	volume_on b "$other" "$(kek other)"
	printf 'slow\n' >"$PAES_BADTOKEN/always"
	slow=$(served other)
	for ((n = 0; n < times + 1; n++)); do
		answers=$(fast_answers)
		alone=$((alone + answers))
		volume_load b 8 64 &
		sleep 2
		answers=$(fast_answers)
		beside=$((beside + answers))
		wait $!
	done
	slow=$(($(served other) - slow))
	rm "$PAES_BADTOKEN/always"
	note "the fast token answered $alone requests alone, $beside beside the slow one, which answered $slow"
	# Who waited for the slow one would answer a twentieth.
	((slow > 0 && alone > 0 && beside >= alone / 4 && $(stat failed) == failed))
	close_volumes
}

make_tokens || skip_all "no second token, or no KEK that both have"
use_tokens "$one" "$other" || skip_all "paesd doesn't serve both tokens"
load_open || skip_all "no volumes with a KEK that both tokens have"
plan 10
check "both tokens serve one key" both_serve
check "one goes away and comes back" goes_away paes other
check "the other one does" goes_away other paes
check "one ends whoever asks it" always exit "exited with 5"
check "one answers garbage" always garbage 'token "other" is lost'
check "a slow one gets less" slow_gets_less
check "a key for two KEKs opens with either" two_recipients
check "a LUKS2 header takes the changed one in place" luks_in_place
check "either KEK goes on for the other" fails_over
check "a volume doesn't wait for another's slow token" no_waiting
end_paesd
finish
