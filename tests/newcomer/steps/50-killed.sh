# a make up that was killed leaves nothing that troubles the next one
make -s .venv/.synced 2> sync.log || { cat sync.log; exit 1; }
# All that this user runs besides this script.
left() { ps -u "$(id -u)" -o pid=,comm= | awk '$2 !~ /^(bash|ps|awk)$/ { print $1 }'; }
for way in make group terminal; do
  if [ "$way" = terminal ]; then
    # A terminal of its own, that is closed.
    setsid script -qec "make up; true" /dev/null > up.log 2>&1 < /dev/null &
  else
    setsid make up > up.log 2>&1 < /dev/null &
  fi
  up=$!
  for _ in $(seq 1800); do
    if grep -q "Ready after" up.log; then break; fi
    sleep 0.1
  done
  grep -q "Ready after" up.log || { echo "$way: it did not start"; cat up.log; exit 1; }
  case $way in
    make | terminal) kill -KILL "$up" ;;
    group) kill -KILL -- "-$up" ;;
  esac
  wait "$up" 2> /dev/null || true
  for _ in $(seq 300); do
    if [ -z "$(left)" ]; then break; fi
    sleep 0.1
  done
  if [ -n "$(left)" ]; then echo "$way: these live on:"; ps -fp $(left); exit 1; fi
done
.venv/bin/relevo reset --yes > /dev/null
