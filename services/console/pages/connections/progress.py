"""How far a hand-over is. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Progress:
    """`returned` of `total` orders are back; `is_waiting`: it has not begun yet."""

    is_waiting: bool
    returned: int
    total: int

    @property
    def percent(self) -> int:
        """What is done, of a hundred."""
        return 100 * self.returned // self.total if self.total else 0


def progress_of(
    connection: Json, preview: Json | None, handovers: Sequence[Json] | None
) -> Progress | None:
    """What is under way; None when nothing is, or when it is not known.

    Args:
        connection: as it is now.
        preview: of routing, with the version of the connection that it has heard of.
        handovers: newest first.
    """
    if preview is None or handovers is None:
        return None
    running = next((one for one in handovers if one["state"] == "running"), None)
    if running is not None:
        left = preview["would_return"]
        return Progress(False, running["returned"], running["returned"] + left)
    is_over = connection["state"] in ("inactive", "disconnected")
    if is_over and preview["version"] < connection["version"] and preview["would_return"]:
        return Progress(True, 0, preview["would_return"])
    return None
