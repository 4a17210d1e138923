"""Folders that hold buyers' data: closed to everybody else on this machine."""

import fcntl
import os
import shutil
import stat
from pathlib import Path
from typing import IO

_OURS_ALONE = 0o700
_OURS_AND_ONE_GROUPS = 0o710


def close_to_others(folder: Path) -> bool:
    """Make the folder ours alone, also one of before; False when it is not ours to close."""
    folder.mkdir(parents=True, exist_ok=True, mode=_OURS_ALONE)
    there = folder.stat()
    # Sticky are those that everybody puts things into, such as /tmp.
    if there.st_uid != os.geteuid() or there.st_mode & stat.S_ISVTX:
        return False
    folder.chmod(_OURS_ALONE)
    return True


def lend(folder: Path, group: int) -> bool:
    """A folder of ours that a group may pass through to what it owns inside; False when not ours.

    It stands where everybody may write: who made it before us could change what is in it.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=_OURS_ALONE)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        return False
    os.chown(folder, -1, group)
    folder.chmod(_OURS_AND_ONE_GROUPS)
    return True


def lock(folder: Path) -> IO[str] | None:
    """The folder's lock, ours until it is closed; None when another process has it."""
    held = (folder / "lock").open("w")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        held.close()
        return None
    return held


def move(data: Path, target: Path) -> None:
    """Move a folder with its owners and modes, all or nothing, to another disk too."""
    owner = data.stat()
    begun = target.with_name(f"{target.name}.moving")
    shutil.rmtree(begun, ignore_errors=True)
    shutil.copytree(data, begun, symlinks=True)
    for path in (begun, *begun.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
    begun.rename(target)
    shutil.rmtree(data)
