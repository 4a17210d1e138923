"""Secrets made once: usable, private, each service its own."""

import json
import subprocess
from pathlib import Path

import jwt
import pytest

from relevo.operate import secrets
from services.catalog import NAMES
from shared.sealing import Sealer


def test_what_is_written_is_read_back_and_is_readable_to_the_owner_alone(tmp_path: Path) -> None:
    made = secrets.generate()
    path = tmp_path / "new" / "secrets.env"
    secrets.write(path, made)
    assert secrets.read(path) == made
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_shell_reads_the_same(tmp_path: Path) -> None:
    made = secrets.generate()
    secrets.write(tmp_path / ".env", made)
    said = subprocess.run(
        ["/bin/sh", "-c", '. ./.env; printf %s "$RELEVO_AUTH_JWKS"'],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == made["RELEVO_AUTH_JWKS"]


def test_secrets_are_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "secrets.env"
    path.write_text("KEEP='me'\n")
    with pytest.raises(FileExistsError):
        secrets.write(path, secrets.generate())
    assert secrets.read(path) == {"KEEP": "me"}


def test_the_sealing_key_seals_and_the_signing_key_signs() -> None:
    made = secrets.generate()
    sealing = Sealer.parse(made["RELEVO_SEALING_KEYS"])
    assert sealing.open(sealing.seal("shpss_1", "store"), "store") == "shpss_1"

    private = jwt.PyJWK(json.loads(made["RELEVO_CONNECTIONS_SIGNING_KEY"]))
    (public,) = jwt.PyJWKSet.from_json(made["RELEVO_AUTH_JWKS"]).keys
    token = jwt.encode({"sub": "brand"}, private.key, algorithm="EdDSA")
    assert jwt.decode(token, public.key, algorithms=["EdDSA"]) == {"sub": "brand"}
    assert public.key_id == private.key_id


def test_the_public_keys_do_not_hold_the_private_one() -> None:
    (public,) = json.loads(secrets.generate()["RELEVO_AUTH_JWKS"])["keys"]
    assert "d" not in public


def test_only_connections_gets_the_signing_key() -> None:
    made = secrets.generate()
    shared = {"RELEVO_SEALING_KEYS", "RELEVO_AUTH_JWKS"}
    assert set(secrets.of("routing", made)) == shared
    assert set(secrets.of("connections", made)) == shared | {
        "RELEVO_CONNECTIONS_SIGNING_KEY",
        "RELEVO_CONNECTIONS_OPERATOR_KEY",
    }


def test_a_file_of_before_gets_the_passwords_of_the_services_and_nothing_else(
    tmp_path: Path,
) -> None:
    path = tmp_path / ".env"
    path.write_text("POSTGRES_PASSWORD='kept'\n# by hand\nPOSTGRES_ROUTING_PASSWORD=mine")
    added = secrets.add_passwords(path)
    assert added == [f"POSTGRES_{name.upper()}_PASSWORD" for name in NAMES if name != "routing"]
    assert path.read_text().startswith("POSTGRES_PASSWORD='kept'\n# by hand\n")
    assert set(secrets.read(path)) == {"POSTGRES_PASSWORD", "POSTGRES_ROUTING_PASSWORD", *added}
    assert secrets.passwords(secrets.read(path))["routing"] == "mine"
    assert secrets.add_passwords(path) == []


def test_no_service_gets_the_password_of_another_nor_the_owners() -> None:
    assert not [name for name in secrets.of("ingest", secrets.generate()) if "PASSWORD" in name]
