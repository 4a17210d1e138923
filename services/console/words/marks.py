"""Marks a sentence of the code for the translators; it is translated where it is shown. Pure."""


def N_(sentence: str) -> str:  # noqa: N802  gettext's own name
    """The sentence, as it is."""
    return sentence
