#!/usr/bin/env bash
# Commit subjects have at most 72 characters.
#   tools/commit_subjects.sh          all commits since the rule was introduced
#   tools/commit_subjects.sh FILE     one message file, as passed to a commit-msg hook
set -euo pipefail
export LC_ALL=C.UTF-8  # characters, not bytes
since=2026-11-30T00:00:00Z  # by date: a shallow clone has no earlier commits
limit=72

if [[ $# -gt 0 ]]; then
  subjects=$(grep -v '^#' "$1" | grep -m 1 . || true)
else
  cd "$(dirname "$0")/.."
  if ! subjects=$(git log --no-merges --since="$since" --format=%s 2>&1); then
    echo "no history to check: ${subjects%%$'\n'*}"
    exit 0
  fi
fi
status=0
while read -r subject; do
  if [[ ${#subject} -gt $limit ]]; then
    echo "commit subject of ${#subject} characters, at most $limit: $subject" >&2
    status=1
  fi
done <<<"$subjects"
exit "$status"
