"""Where tests keep their files: in memory where there is room for them.

A database is some 700 files, and a disk may take a millisecond for each.
"""

import os
import tempfile
from pathlib import Path

import psutil

MEMORY = Path("/dev/shm")  # noqa: S108  a folder of our own is made in it, as in /tmp
_FREE_BYTES = 6 * 1024**3


def keep_files_in_memory() -> None:
    """Make temporary files of this process, and of those that it starts, in memory.

    Not if there is too little of it, or if nothing could be run from there; and somebody who
    chose a folder (`TMPDIR`) gets it.
    """
    if "TMPDIR" not in os.environ and _has_room():
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None


def _has_room() -> bool:
    if not os.access(MEMORY, os.W_OK):
        return False
    there = os.statvfs(MEMORY)
    free = min(there.f_bavail * there.f_frsize, psutil.virtual_memory().available)
    return free >= _FREE_BYTES and not there.f_flag & os.ST_NOEXEC
