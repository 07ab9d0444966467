# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the test scripts share: to be sourced.  Prints TAP; the status at the
# end is kselftest's: 0 passed, 1 failed, 4 skipped.

here=$(cd -- "$(dirname -- "$0")" && pwd)
PATH=$here:${OUTPUT:-$here/../build/selftests}:$PATH
tested=0 failed=0
loops=() paesd= paesd_options=()
# shellcheck disable=SC2034 # for the scripts
fast=(--batch-mode --pbkdf pbkdf2 --pbkdf-force-iterations 1000)
# shellcheck disable=SC2034
xts=(--cipher paes-xts-plain64 --key-size 4096)

# Nothing is missing where PAES_NO_SKIP is set: it would go unnoticed there.
skip_all() {
	[[ ! ${PAES_NO_SKIP-} ]] || {
		printf 'TAP version 13\n1..1\n# needed here: %s\nnot ok 1 runs\n' "$*"
		exit 1
	}
	printf 'TAP version 13\n1..0 # SKIP %s\n' "$*"
	exit 4
}

plan() {
	printf 'TAP version 13\n1..%d\n' "$1"
}

# A subshell's RANDOM begins anew.
seed_random() {
	[[ ! ${seed-} ]] || RANDOM=$seed
}

# One test case: COMMAND, run with set -e, must succeed.  What it printed is
# shown when it fails.
check() {
	local what=$1 output status
	shift
	tested=$((tested + 1))
	output=$(
		seed_random
		set -e
		"$@" 2>&1 </dev/null
	)
	status=$?
	if ((status == 0)); then
		printf 'ok %d %s\n' "$tested" "$what"
		return
	fi
	failed=$((failed + 1))
	[[ ! $output ]] || printf '# %s\n' "${output//$'\n'/$'\n'# }"
	printf '# expected status 0, found %d\nnot ok %d %s\n' "$status" \
		"$tested" "$what"
	close_volumes
}

finish() {
	exit $((failed > 0))
}

# COMMAND becomes true before SECONDS are over.
becomes_true() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		((SECONDS < end)) || {
			echo "in vain waited for: $*"
			return 1
		}
		sleep 0.1
	done
}

# COMMAND must fail, and say something that matches PATTERN.
fails_with() {
	local pattern=$1 output
	shift
	if output=$("$@" 2>&1); then
		printf 'expected to fail: %.200s\n' "$*"
		return 1
	fi
	grep -Eqi -- "$pattern" <<<"$output" || {
		printf 'expected "%s" from: %.200s\nfound: %s\n' \
			"$pattern" "$*" "$output"
		return 1
	}
}

has() {
	local program
	for program; do
		command -v "$program" >/dev/null ||
			skip_all "needs the program $program"
	done
}

needs_module() {
	((EUID == 0)) || skip_all "needs root"
	[[ -e /dev/paes ]] || modprobe -q paes || skip_all "the module paes doesn't load"
	modprobe -qa dm_crypt loop || skip_all "needs dm-crypt and loop devices"
}

# A disk that may be overwritten, $disk.
needs_disk() {
	disk=${PAES_TEST_DISK:-/dev/vda}
	[[ -b $disk ]] || skip_all "needs a disk, $disk"
}

# A directory that outlives the guest, $dir.
needs_directory() {
	dir=${PAES_TEST_DIR:-/mnt/host}
	[[ -w $dir ]] || skip_all "needs a directory that stays, $dir"
}

serving() {
	paes status --quiet >/dev/null 2>&1
}

start_paesd() {
	local try
	paesd "${paesd_options[@]}" </dev/null >>"$work/paesd.log" 2>&1 &
	paesd=$!
	for ((try = 0; try < 300; try++)); do
		! serving || return 0
		kill -0 "$paesd" 2>/dev/null || break
		sleep 0.1
	done
	sed 's/^/# /' "$work/paesd.log"
	return 1
}

# A running one is left alone; its token must be the configured one.
needs_paesd() {
	has paes
	has paesd
	serving || start_paesd || skip_all "paesd doesn't come up with the configured token"
}

# A loop device of SIZE on memory, in $device.
make_device() {
	local file
	file=$(mktemp -- "$work/disk.XXXXXX")
	truncate -s "$1" "$file"
	device=$(losetup --find --show -- "$file")
	loops+=("$device")
}

# All volumes of these tests are called paes_test*.
close_volumes() {
	local name
	udevadm settle --timeout=30 2>/dev/null || :
	findmnt -rno TARGET,SOURCE | awk '$2 ~ "/paes_test" { print $1 }' |
		xargs -r umount
	dmsetup ls 2>/dev/null | awk '/^paes_test/ { print $1 }' |
		while read -r name; do
			dmsetup remove --retry "$name"
		done
}

clean_up() {
	close_volumes
	((${#loops[@]} == 0)) || losetup -d "${loops[@]}"
	if [[ $paesd ]]; then
		kill "$paesd"
		wait "$paesd"
	fi
	rm -rf -- "$work"
} >/dev/null 2>&1

# Where the kernel log is now; what came since.
mark_log() {
	log_mark="paes-selftest-$RANDOM$RANDOM"
	printf '<6>%s\n' "$log_mark" >/dev/kmsg
}

log_since() {
	dmesg | sed "1,/$log_mark/d"
}

work=$(mktemp -d)
trap clean_up EXIT
