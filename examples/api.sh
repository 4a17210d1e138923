# Words for the guides in docs/howto/: where a running `make up` answers, and curl with less to
# type. From the folder of the checkout: `. examples/api.sh`; for bash and zsh.

[ -f .relevo/stack.json ] || { echo "nothing runs from this folder: \`make up\` first" >&2; return 1; }

address() { python3 -c "import json; print(json.load(open('.relevo/stack.json'))['urls']['$1'])"; }
connections=$(address connections) ingest=$(address ingest) routing=$(address routing)
webhooks=$(address webhooks)
operator=$(. ./.relevo/secrets.env && echo "$RELEVO_CONNECTIONS_OPERATOR_KEY")

# A part of the JSON that comes in: `… | json "['id']"`.
json() { python3 -c "import json, sys; print(json.load(sys.stdin)$1)"; }

# send METHOD TOKEN URL [BODY [more for curl]]: a refusal is shown, and fails. No token: ''.
send() {
  curl -sS --fail-with-body -w '\n' -X "$1" ${2:+-H} ${2:+"authorization: Bearer $2"} \
    -H 'content-type: application/json' -d "${4:-}" "${@:5}" "$3"
}
get() { curl -sS --fail-with-body -w '\n' -H "authorization: Bearer $1" "$2"; }
post() { send POST "$@"; }

# The token in the newest mail to an address; without a mail server, mails are files.
mailed() { .venv/bin/python -m relevo mails "$1" --token; }

# wait_for TEXT COMMAND…: what the command prints, once there is TEXT in it.
wait_for() {
  local said tries=0
  until said=$("${@:2}" 2>&1) && grep -qF -e "$1" <<<"$said"; do
    [ $((tries += 1)) -lt 150 ] || { echo "no $1 in: $said" >&2; return 1; }
    sleep 0.2
  done
  echo "$said"
}

# A port that is free, for a receiver.
free_port() { .venv/bin/python -c 'from relevo.local.processes import *; print(free_port())'; }

# A new name each time: an address has one account, a shop one brand.
run=$(date +%s)-$RANDOM
