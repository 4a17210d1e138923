"""What a person is reached at: one spelling. Pure."""

from email_validator import EmailNotValidError, validate_email


def email(text: str) -> str:
    """The address in its normal form.

    Whether mail arrives there is not asked; `.test` names are fine.

    Raises:
        ValueError: not an e-mail address (RFC 5322, as e-mail servers use it).
    """
    try:
        found = validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValueError(str(error)) from error
    return found.normalized.lower()
