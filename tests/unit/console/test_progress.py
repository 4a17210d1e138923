"""How far a hand-over is."""

import pytest

from services.console.pages.connections.progress import Progress, progress_of

RUNNING = {"state": "running", "returned": 30}
DONE = {"state": "done", "returned": 40}
OFF = {"state": "inactive", "version": 4}


@pytest.mark.parametrize(
    ("preview", "handovers", "expected"),
    [
        ({"version": 4, "would_return": 70}, [RUNNING, DONE], Progress(False, 30, 100)),
        # Routing has not heard of the switch yet.
        ({"version": 3, "would_return": 70}, [DONE], Progress(True, 0, 70)),
        ({"version": 3, "would_return": 0}, [], None),
        ({"version": 4, "would_return": 0}, [DONE], None),
        (None, [DONE], None),
        ({"version": 3, "would_return": 70}, None, None),
    ],
)
def test_what_is_under_way_is_told(
    preview: dict[str, int] | None,
    handovers: list[dict[str, object]] | None,
    expected: Progress | None,
) -> None:
    assert progress_of(OFF, preview, handovers) == expected


def test_nothing_is_no_division() -> None:
    assert Progress(False, 0, 0).percent == 0
    assert Progress(False, 1, 3).percent == 33
