# make up, looked at, started beside itself, stopped and started again
start() {
  setsid make up ARGS="--first-port $PORT" > up.log 2>&1 < /dev/null &
  up=$!
  for _ in $(seq 600); do
    grep -q "Ready after" up.log && return
    kill -0 "$up" 2> /dev/null || break
    sleep 0.1
  done
  cat up.log
  return 1
}
stop() {
  kill -TERM -- "-$up"
  wait "$up" || true
}
start
make status > status.log || { cat status.log up.log; exit 1; }
.venv/bin/relevo logs routing > logs.log
grep -q started logs.log
# Into the same folder, and to the same port from another one: refused, with who is in the way.
refused() {
  if .venv/bin/relevo up "$@" > refused.log 2>&1; then echo "not refused: $*"; exit 1; fi
  ! grep -q Traceback refused.log || { cat refused.log; exit 1; }
}
refused
grep -q "Another Relevo runs in" refused.log
refused --directory other --first-port "$PORT"
grep -q "$PORT" refused.log && grep -qi "process" refused.log
test ! -e other/kafka-data
stop
start
echo "the second start: $(grep -o 'Ready after .*' up.log)"
stop
.venv/bin/relevo reset --yes > /dev/null
if .venv/bin/relevo status > status.log 2>&1; then echo "status says that it runs"; exit 1; fi
