"""The way to the mail server: encrypted, or not at all."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from services.connections.settings import Settings
from tests.kit.mailbox import mail_server
from tests.kit.post import Post, a_mail, sending
from tests.kit.waiting import eventually


def trust_a_server_of_our_own(folder: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A certificate for 127.0.0.1 that this process trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "mail.crt").write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "mail.key").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "mail.crt"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "mail.crt", folder / "mail.key")
    return context


def with_password(settings: Settings, port: int) -> Settings:
    return settings.model_copy(
        update={
            "connections_smtp_port": port,
            "connections_smtp_tls": "starttls",
            "connections_smtp_user": "relevo",
            "connections_smtp_password": SecretStr("hunter2"),
        }
    )


Shown = list[tuple[bytes, bytes]]


def one_user(shown: Shown) -> Callable[..., AuthResult]:
    """aiosmtpd's authenticator; what it was shown is in the list."""

    def check(
        server: object, session: object, envelope: object, way: str, data: LoginPassword
    ) -> AuthResult:
        shown.append((data.login, data.password))
        return AuthResult(success=shown[-1] == (b"relevo", b"hunter2"))

    return check


async def test_the_password_goes_over_tls(
    settings: Settings, post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = trust_a_server_of_our_own(tmp_path, monkeypatch)
    shown: Shown = []
    async with (
        mail_server(
            tls_context=context,
            require_starttls=True,
            auth_required=True,
            authenticator=one_user(shown),
        ) as server,
        sending(with_password(settings, server.port)),
    ):
        await post.queue(a_mail("ada@shop.test"))
        await server.wait_for("ada@shop.test")
    assert set(shown) == {(b"relevo", b"hunter2")}


@pytest.mark.parametrize("offers", ["no TLS", "a certificate of nobody's"])
async def test_a_server_that_cannot_be_trusted_gets_neither_password_nor_mail(
    settings: Settings,
    post: Post,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    offers: str,
) -> None:
    context = trust_a_server_of_our_own(tmp_path, monkeypatch)
    shown: Shown = []
    monkeypatch.delenv("SSL_CERT_FILE")
    async with (
        mail_server(
            tls_context=None if offers == "no TLS" else context,
            auth_require_tls=False,
            authenticator=one_user(shown),
        ) as server,
        sending(with_password(settings, server.port)),
    ):
        await post.queue(a_mail("ada@shop.test"))
        await eventually(post.rows, lambda rows: rows[0]["error"] is not None)
    assert (await post.states(), shown, server.received) == (["pending"], [], [])
