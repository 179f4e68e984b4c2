#!/bin/sh
# Runs one command of tagbump. Each PARAM_ variable is a parameter of the orb's
# command; an empty one is left out. Other variables in a parameter are replaced by
# their values, so that "acme/web:${TAG}" works.
set -eu

# shellcheck source=/dev/null
if [ -n "${BASH_ENV:-}" ] && [ -f "$BASH_ENV" ]; then . "$BASH_ENV"; fi # sh does not read it by itself

fail() {
	echo "tagbump: $*" >&2
	exit 1
}

# expand prints a parameter with its variables replaced. An unset pipeline value is "<nil>".
expand() {
	value=$(circleci env subst "$1") || return
	[ "$value" = "<nil>" ] || printf '%s' "$value"
}

# is_name reports whether its argument is a variable's name: it becomes part of a script.
is_name() {
	case $1 in
	'' | [0-9]* | *[!A-Za-z0-9_]*) return 1 ;;
	esac
}

command -v tagbump >/dev/null || fail "is not installed: run the command tagbump/install first"

if [ -n "${PARAM_TOKEN:-}" ]; then
	is_name "$PARAM_TOKEN" || fail "the parameter token is the name of a variable, and never the token itself"
	eval "token=\${$PARAM_TOKEN:-}"
	if [ -n "$token" ]; then
		TAGBUMP_TOKEN=$token
		export TAGBUMP_TOKEN
	elif [ "$PARAM_TOKEN" != TAGBUMP_TOKEN ]; then
		fail "the variable $PARAM_TOKEN, which the parameter token names, is empty: is the job's context the right one?"
	fi
fi

set -- "$PARAM_COMMAND"
# add adds a flag, if its parameter has a value.
add() {
	value=$(expand "$2")
	[ -z "$value" ] || arguments="$arguments
$1=$value"
}
arguments=
add --repo "${PARAM_REPO:-}"
add --branch "${PARAM_BRANCH:-}"
add --env "${PARAM_ENV:-}"
add --from "${PARAM_FROM:-}"
add --to "${PARAM_TO:-}"
add --file "${PARAM_FILE:-}"
add --path "${PARAM_PATH:-}"
add --on-stale "${PARAM_ON_STALE:-}"
add --on-mismatch "${PARAM_ON_MISMATCH:-}"
add --wait "${PARAM_WAIT:-}"
add --ssh-key "${PARAM_SSH_KEY_FINGERPRINT:-}"
add --pipeline-number "${PARAM_PIPELINE_NUMBER:-}"
case ${PARAM_PR:-} in 1 | true) arguments="$arguments
--pr" ;; esac

# One argument a line: images and extra arguments are separated by white space.
set -f # an asterisk in an argument is for tagbump
words="$(expand "${PARAM_ARGS:-}") $(expand "${PARAM_IMAGES:-}")"
for word in $words; do
	arguments="$arguments
$word"
done

result=
case $PARAM_COMMAND in
update | promote | rollback)
	result=$(mktemp "${TMPDIR:-/tmp}/tagbump.XXXXXX")
	trap 'rm -f "$result"' EXIT
	rm -f "$result"
	arguments="$arguments
--result-file=$result
--result-format=shell"
	[ -z "${BASH_ENV:-}" ] || arguments="$arguments
--bash-env"
	;;
esac

old_ifs=$IFS
IFS='
'
# shellcheck disable=SC2086 # each line is an argument
set -- "$@" $arguments
IFS=$old_ifs
set +f

status=0
tagbump "$@" || status=$?

# mark tells CircleCI which version an environment has now, or that it failed to get it.
mark() {
	# shellcheck source=/dev/null
	[ ! -s "$result" ] || . "$result"
	[ -n "${TAGBUMP_TAG:-}" ] || return 0
	circleci run release plan "$PARAM_COMPONENT_NAME" \
		--environment-name="$(expand "${PARAM_ENVIRONMENT_NAME:-}")" \
		--component-name="$PARAM_COMPONENT_NAME" --target-version="$TAGBUMP_TAG"
	if [ "$status" = 0 ]; then
		circleci run release update "$PARAM_COMPONENT_NAME" --status=SUCCESS
	else
		circleci run release update "$PARAM_COMPONENT_NAME" --status=FAILED --failure-reason="tagbump ended with $status"
	fi
}
if [ -n "$result" ] && [ -n "${PARAM_COMPONENT_NAME:-}" ]; then
	PARAM_COMPONENT_NAME=$(expand "$PARAM_COMPONENT_NAME")
	mark || echo "tagbump: the deploy marker could not be set" >&2
fi
exit "$status"
