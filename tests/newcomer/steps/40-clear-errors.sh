# what cannot work is told in words, with an exit code
make -s .venv/.synced 2> sync.log || { cat sync.log; exit 1; }
told() {  # told WORD COMMAND…
  local word=$1 code=0
  shift
  timeout 60 "$@" > told.log 2>&1 < /dev/null || code=$?
  if [ "$code" -eq 0 ] || [ "$code" -eq 124 ]; then echo "exit code $code: $*"; cat told.log; exit 1; fi
  if grep -q Traceback told.log || ! grep -qi "$word" told.log; then echo "$*"; cat told.log; exit 1; fi
}
touch a-file
told "a-file" .venv/bin/relevo up --directory a-file
told "/proc/relevo" .venv/bin/relevo up --directory /proc/relevo
told "127.0.0.1:9" .venv/bin/relevo migrate --dsn "postgresql://me:very-secret@127.0.0.1:9/relevo" --wait 2
if grep -q very-secret told.log; then echo "a password was printed"; exit 1; fi
told "127.0.0.1:9" .venv/bin/relevo topics --kafka 127.0.0.1:9 --wait 2
told "services are" .venv/bin/relevo up --only nothing
told "make up" .venv/bin/relevo status
rm a-file
