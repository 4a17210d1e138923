"""How tests are shared out among workers."""

from xdist.scheduler import LoadScopeScheduling

_STACKS = "tests/acceptance/"


class ByStack(LoadScopeScheduling):  # type: ignore[misc]  # xdist is not typed
    """Each test by itself; but those of a folder that share a stack go to one worker.

    One after the other, so that the stack is started once, and gone after the last of them. (The
    groups of xdist itself need an older pytest.)
    """

    def _split_scope(self, nodeid: str) -> str:
        # Of the file's path: what stands in brackets may be a path too.
        folder = nodeid.partition("::")[0].rpartition("/")[0]
        return folder if nodeid.startswith(_STACKS) else nodeid
