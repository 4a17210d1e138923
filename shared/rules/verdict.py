"""What a condition found, so that every decision can say why, and why not. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

# None: the store does not say what the condition asks for.
Fits = bool | None
Saw = str | int | frozenset[str] | None
_MOST_WORDS = 50


class Asked(Protocol):
    """A condition, as far as it is told."""

    @property
    def kind(self) -> str:
        """Which one."""

    def model_dump(self, *, mode: str, exclude: set[str]) -> dict[str, Any]:
        """As JSON."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a condition fits an order, and what it saw there.

    `fits` is None when the order does not say: such a condition does not fit, and neither does its
    opposite. `parts` are those of `all`, `any` and `not`, which saw nothing themselves.
    """

    asked: Asked
    fits: Fits
    saw: Saw = None
    parts: Sequence["Verdict"] = ()

    def as_json(self) -> dict[str, Any]:
        """For an answer or a history: what was seen, and what was wanted."""
        told: dict[str, Any] = {"kind": self.asked.kind, "fits": self.fits}
        if self.parts:
            return {**told, "parts": [part.as_json() for part in self.parts]}
        saw = sorted(self.saw)[:_MOST_WORDS] if isinstance(self.saw, frozenset) else self.saw
        wanted = self.asked.model_dump(mode="json", exclude={"kind"})
        return {**told, "saw": saw, "wanted": wanted}


def all_of(fits: Sequence[Fits]) -> Fits:
    """Kleene's and: one that does not fit decides, else one that nobody knows."""
    if False in fits:
        return False
    return None if None in fits else True


def any_of(fits: Sequence[Fits]) -> Fits:
    """Kleene's or: one that fits decides, else one that nobody knows."""
    if True in fits:
        return True
    return None if None in fits else False


def opposite(fits: Fits) -> Fits:
    """Kleene's not: of what nobody knows, nobody knows the opposite either."""
    return None if fits is None else not fits
