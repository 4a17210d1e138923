# pip install of the wheel into an empty environment, then relevo up: on each Python
make .venv/.synced > sync.log 2>&1 || { tail -n 20 sync.log; exit 1; }
rm -rf dist build
.venv/uv/bin/uv build --quiet --wheel --no-build-isolation --python .venv/bin/python --out-dir dist . 2> wheel.log || { cat wheel.log; exit 1; }
for python in $PYTHONS; do
  rm -rf ~/empty ~/elsewhere
  "$python" -m venv ~/empty
  mkdir ~/elsewhere
  (
    cd ~/elsewhere
    ~/empty/bin/pip install --quiet --disable-pip-version-check ~/relevo/dist/relevo-*.whl
    ~/empty/bin/relevo --version
    setsid ~/empty/bin/relevo up > up.log 2>&1 < /dev/null &
    up=$!
    for _ in $(seq 900); do
      grep -q "Ready after" up.log && break
      kill -0 "$up" 2> /dev/null || break
      sleep 0.1
    done
    if ! ~/empty/bin/relevo status > status.log; then cat up.log status.log; exit 1; fi
    kill -TERM "$up"
    wait "$up" || true
    ~/empty/bin/relevo reset --yes > /dev/null
  )
done
