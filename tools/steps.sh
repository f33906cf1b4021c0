# shellcheck shell=bash
# Sourced by the other scripts at the repository root. A step prints one line and writes its output to a log.
logs=build/logs

# step NAME TITLE COMMAND...: if the command fails, prints the end of the log and exits with the command's status.
step() {
  local name=$1 title=$2 begin=$SECONDS status=0
  shift 2
  mkdir -p "$logs"
  printf '== %s ...' "$title"
  "$@" >"$logs/$name.log" 2>&1 </dev/null || status=$?
  if [[ $status -eq 0 ]]; then
    printf ' %d s\n' $((SECONDS - begin))
    return 0
  fi
  printf ' failed (status %d)\n' "$status"
  tail -n 60 "$logs/$name.log"
  echo "== $title failed; the whole log is in $PWD/$logs/$name.log"
  exit "$status"
}
