"""Hostile URLs are refused at save and at connect by one guard; good ones pass."""
# ruff: noqa: RUF001  look-alikes are what is tried

import pytest

from shared.egress.guard import AddressRefused, Guard

_HOSTS = """
127.0.0.1 127.1 127.0.1 0 00 0.0 0.0.0.0 2130706433 017700000001 0x7f000001 0x7f.1 0x7f.0.0.1
0X7F.0x0.0.1 0177.0.0.1 0177.1 127.000.000.001 127.0.0.01 127.0.0.1. 127.1. 0x7f.1. 10.0.0.1 10.1
167772161 0xa000001 012.0.0.1 172.16.0.1 172.16.1 2886729729 192.168.1.1 192.168.257 3232235777
0xc0a80101 0300.0250.1.1 169.254.169.254 2852039166 0xa9fea9fe 0251.0376.0251.0376 169.254.43518
169.254.169.254. 100.100.100.200 100.64.0.1 168.63.129.16 192.0.0.192 192.0.2.1 198.18.0.1
198.51.100.1 203.0.113.7 224.0.0.1 240.0.0.1 255.255.255.255 4294967295 4294967296 256.256.256.256
1.2.3 1.2.3.4.5 1.2.3.0x 1..2 0x 08.8.8.8 a.1 example.0x1f 8.8.8.8.
[::] [::1] [0:0:0:0:0:0:0:1] [::127.0.0.1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:10.0.0.1]
[::ffff:8.8.8.8] [64:ff9b::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b:1::1] [2002:7f00:1::] [2001::1]
[2001:db8::1] [fc00::1] [fd00:ec2::254] [fe80::1] [fe80::1%eth0] [fe80::1%25eth0] [::1%25lo]
[2606:4700:4700::1111%251] [ff02::1] [fec0::1] [100::1] [3fff::1] [5f00::1] [v1.x] [] [127.0.0.1]
[1.1.1.1] [::1]x [::1 ::1 ::1] [2606:4700::1]]
localhost LOCALHOST localhost. a.localhost localhost.localdomain printer.local db.internal
metadata.google.internal router.lan nas.home x.home.arpa intranet kafka postgres ec2.corp a.onion
a.invalid metadata
１２７.0.0.1 １２７.１ ①②⑦.0.0.1 127。0。0。1 127．0．0．1 127｡0｡0｡1 ⓛocalhost ｌocalhost
lo\u00adcalhost.com exa\u200bmple.com ℀.com ₁₂₇.0.0.1 example。com xn--\u00e9.com
127%2e0%2e0%2e1 %31%32%37.0.0.1 loc%61lhost example%00.com example.com%2f@x %5b::1%5d
-example.com example-.com exa..mple.com .example.com example.com.. . .. exa$mple.com a,b.com
""".split()  # noqa: SIM905  a table is easier to read
_URLS = """
http://example.com/ ftp://example.com/ file:///etc/passwd gopher://example.com/ //example.com/
javascript:alert(1) data:text/plain,x https: https:/ https:// https:///example.com https:example.com
https:/example.com /hooks example.com https://?x https://user@example.com/
https://user:secret@example.com/ https://@example.com/ https://:@example.com/
https://example.com@127.0.0.1/ https://127.0.0.1@example.com/ https://example.com#@127.0.0.1/
https://example.com/#f https://example.com/# https://example.com:0/ https://example.com:99999/
https://example.com:-1/ https://example.com:8a/ https://example.com:٤٤٣/ https://example.com:/
https://127.0.0.1\\@example.com/ https:\\\\example.com/ https://example.com\\.evil.com/
https://example.com:443:80/ https://[::1 https://::1]/
""".split()  # noqa: SIM905  a table is easier to read
_SPACED = [
    "", " ", " https://example.com/", "https://example.com/ a", "https://exa\tmple.com/",
    "https://127.0.0.1\n.example.com/", "\x01https://example.com/", "https://example.com/\x00",
    "https://example.com/\u202e", "https://example\u00a0.com/",
    f"https://{'a' * 64}.com/", f"https://{'a.' * 130}com/",
]  # fmt: skip
HOSTILE = [*(f"https://{host}/hooks" for host in _HOSTS), *_URLS, *_SPACED]
GOOD = """
https://example.com https://example.com/ https://EXAMPLE.com/Hooks HTTPS://example.com/
https://hooks.3pl.example/hooks https://example.com:8443/x https://example.com:443/
https://example.com?token=a https://example.com/?a=b&c=d https://example.com/a//b
https://example.com/%7Efoo/a%20b https://a.b.c.d.example.co.uk/ https://a_b.example.com/
https://my-shop.example.com/ https://1.1.1.1/ https://8.8.8.8:8443/hook
https://[2606:4700:4700::1111]/ https://[2A00:1450:4001:81b::200e]:8443/x https://3.example.com/
https://127.0.0.1.example.com/ https://0x7f.example.com/ https://localhost.example.com/
https://internal.example.com/ https://bücher.example/ https://xn--bcher-kva.example/
https://例え.example/ https://пример.example/hooks https://example.com/hooks;v=1
https://example.com/a@b https://example.com/a:b https://example.com/ü https://4u.com/
https://hooks.example.com/services/T000/B000/XXXXXXXXXXXXXXXXXXXXXXXX
""".split()  # noqa: SIM905  a table is easier to read
guard = Guard((), allow_http=False)


def test_the_tables_are_as_long_as_they_should_be() -> None:
    assert (len(set(HOSTILE)) >= 111, len(set(GOOD)) >= 25) == (True, True)


@pytest.mark.parametrize("url", HOSTILE)
def test_a_hostile_url_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        guard.check_url(url)


@pytest.mark.parametrize("url", GOOD)
def test_a_good_url_passes(url: str) -> None:
    guard.check_url(url)


@pytest.mark.parametrize("url", ["http://kafka:9000/x", "http://localhost/", "http://10.0.0.1/"])
def test_names_of_the_operators_networks_pass(url: str) -> None:
    Guard(("10.0.0.0/8",), allow_http=True).check_url(url)


@pytest.mark.parametrize("url", ["http://127.1/", "http://0xa.1/", "http://[::1]/"])
def test_other_spellings_and_networks_stay_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        Guard(("10.0.0.0/8",), allow_http=True).check_url(url)


def test_a_refusal_does_not_repeat_secrets() -> None:
    with pytest.raises(AddressRefused) as refused:
        guard.check_url("https://u:hunter2@example.com/s3cr3t?token=s3cr3t")

    assert "s3cr3t" not in str(refused.value)
    assert "hunter2" not in str(refused.value)
