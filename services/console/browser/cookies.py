"""The names of the console's cookies. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CookieNames:
    """By https a browser holds them to this very host; without it, it would refuse such names."""

    is_https: bool

    @property
    def session(self) -> str:
        """256 random bits."""
        return self._of("relevo_session")

    @property
    def operator(self) -> str:
        """256 random bits, of who has the operator key."""
        return self._of("relevo_operator")

    @property
    def device(self) -> str:
        """What the API knows a device by."""
        return self._of("relevo_device")

    @property
    def language(self) -> str:
        """`en` or `es`."""
        return self._of("relevo_language")

    @property
    def said(self) -> str:
        """What the next page has to say: a code, no text."""
        return self._of("relevo_said")

    def _of(self, name: str) -> str:
        return f"__Host-{name}" if self.is_https else name
