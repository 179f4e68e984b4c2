#!/bin/sh
# Installs tagbump from a release into a folder of PATH. The archive must have the
# sum that the release's checksums.txt has for it, and that file the sum in
# PARAM_CHECKSUMS_SHA256, if one is given. What a cache holds is checked as well.
set -eu

fail() {
	echo "tagbump: $*" >&2
	exit 1
}

# sum_of prints the SHA-256 of a file.
sum_of() {
	if command -v sha256sum >/dev/null; then
		sha256sum "$1" | cut -d ' ' -f 1
	elif command -v shasum >/dev/null; then
		shasum -a 256 "$1" | cut -d ' ' -f 1
	else
		fail "neither sha256sum nor shasum is there to check the download"
	fi
}

# fetch writes what an address holds into a file.
fetch() {
	if command -v curl >/dev/null; then
		curl --fail --silent --show-error --location --retry 3 --output "$2" "$1" || fail "cannot download $1"
	elif command -v wget >/dev/null; then
		wget -q -O "$2" "$1" || fail "cannot download $1"
	else
		fail "neither curl nor wget is there to download $1"
	fi
}

# writable_folder prints the first folder that can be written into.
writable_folder() {
	for folder in "$@"; do
		if mkdir -p "$folder" 2>/dev/null && [ -w "$folder" ]; then
			echo "$folder"
			return
		fi
	done
	fail "no folder can be written: $*"
}

system() {
	case "$(uname -s)/$(uname -m)" in
	Linux/x86_64) echo linux_amd64 ;;
	Linux/aarch64) echo linux_arm64 ;;
	Linux/armv7l) echo linux_armv7 ;;
	Darwin/x86_64) echo darwin_amd64 ;;
	Darwin/arm64) echo darwin_arm64 ;;
	*) fail "there is no release for $(uname -s)/$(uname -m)" ;;
	esac
}

version=${PARAM_VERSION#v}
[ -n "$version" ] || fail "the parameter version is empty"
temporary=${TMPDIR:-/tmp}
home=${HOME:-$temporary}
archive=tagbump_${version}_$(system).tar.gz
address=${PARAM_DOWNLOAD_URL%/}/v$version
# A cache of CircleCI's is found again by the folder's name below the home folder.
cache=$(writable_folder "$home/.cache/tagbump/$version" "$temporary/tagbump-cache-$version")
bin=$(writable_folder "$home/.local/bin" "$temporary/tagbump-bin")

[ -s "$cache/checksums.txt" ] || fetch "$address/checksums.txt" "$cache/checksums.txt"
if [ -n "${PARAM_CHECKSUMS_SHA256:-}" ] && [ "$(sum_of "$cache/checksums.txt")" != "$PARAM_CHECKSUMS_SHA256" ]; then
	rm -f "$cache/checksums.txt"
	fail "checksums.txt of $version does not have the SHA-256 $PARAM_CHECKSUMS_SHA256: not installed"
fi
wanted=$(awk -v name="$archive" '$2 == name { print $1 }' "$cache/checksums.txt")
[ -n "$wanted" ] || fail "checksums.txt of $version does not list $archive"
[ -s "$cache/$archive" ] || fetch "$address/$archive" "$cache/$archive"
if [ "$(sum_of "$cache/$archive")" != "$wanted" ]; then
	rm -f "$cache/$archive"
	fail "$archive does not have the SHA-256 $wanted: not installed"
fi

tar -xzf "$cache/$archive" -C "$bin" tagbump
"$bin/tagbump" version
if [ -n "${BASH_ENV:-}" ]; then
	echo "export PATH=\"$bin:\$PATH\"" >>"$BASH_ENV"
fi
