"""One spelling for each e-mail."""

import pytest

from services.connections.people import emails


def test_an_e_mail_is_lower_case() -> None:
    assert emails.email("Ada.L@Brand.TEST") == "ada.l@brand.test"
    with pytest.raises(ValueError, match="@-sign"):
        emails.email("nobody")
