# A 3PL and a client of it, connected, as docs/howto/walk-through.md does it step by step:
# `. examples/connected.sh`. Afterwards there are $token (the 3PL), $brand_token, $connection,
# $store and $key (the store's API key), besides the words of api.sh.

. examples/api.sh || return
password='a long enough one'

post '' "$connections/v1/accounts" \
  '{"kind":"three_pl","name":"Pack & Go","email":"ops@packgo-'$run'.example.com"}' >/dev/null
link=$(mailed "ops@packgo-$run.example.com")
session=$(post '' "$connections/v1/accounts/confirm" \
  '{"token":"'$link'","password":"'"$password"'"}')
three_pl=$(json "['account_id']" <<<"$session") token=$(json "['access_token']" <<<"$session")
send PUT "$operator" "$connections/v1/accounts/$three_pl/plan" '{"plan":"conquer"}' >/dev/null

brand=$(post "$token" "$connections/v1/brands" \
  '{"contact":{"name":"Ana","email":"ana@casa-'$run'.example.com"},
    "company_name":"Casa Ruiz","store_url":"https://casa-'$run'.example.com"}')
store=$(json "['store']['id']" <<<"$brand") connection=$(json "['connection']['id']" <<<"$brand")
made=$(post "$token" "$connections/v1/stores/$store/credentials" '{"kind":"api_key"}')
key=$(json "['secret']" <<<"$made")

link=$(json "['login_link']['token']" <<<"$brand") key_id=$(json "['id']" <<<"$made")
post '' "$connections/v1/login-links/open" '{"token":"'$link'"}' >/dev/null
link=$(mailed "ana@casa-$run.example.com")
accepted=$(post '' "$connections/v1/acceptances" '{"token":"'$link'","settings_version":1,
  "password":"'"$password"'","adopted_credentials":["'$key_id'"]}')
brand_token=$(json "['access_token']" <<<"$accepted")

echo "connected: as ops@packgo-$run.example.com and ana@casa-$run.example.com," \
  "password '$password', at $(address console)"
