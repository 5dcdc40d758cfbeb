"""Results that one process needs again and again, such as those of a sweep's many runs."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")

State = tuple[tuple[str, int, int, int], ...]


class Recent(Generic[T]):
    """The last `size` results by key. A key must hold everything that its result depends on.

    Everyone who asks gets the same object: it must be frozen, or copied before it is changed.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: dict[Hashable, T] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The result for a key, made if it is not among the last ones. Errors are not kept."""
        found = self._kept.pop(key) if key in self._kept else make()
        while len(self._kept) >= self._size:
            self._kept.pop(next(iter(self._kept)))
        self._kept[key] = found
        return found


class Same(Generic[T]):
    """The last `size` results about frozen objects, found again by who they are, not what they say.

    For what takes longer to compare than to keep. The objects are kept, so that no other can come
    to stand where one was. What is short goes into `also`, which is compared as it is.
    """

    def __init__(self, size: int) -> None:
        self._recent: Recent[tuple[tuple[object, ...], T]] = Recent(size)

    def get(self, objects: tuple[object, ...], make: Callable[[], T], also: Hashable = None) -> T:
        """The result about these objects, made if it is not among the last ones."""
        key = (*map(id, objects), also)
        return self._recent.get(key, lambda: (objects, make()))[1]


def state_of_files(folder: Path, pattern: str) -> State:
    """Name, inode, size and time of the last change (ns) of the files: changes when one does."""
    found = []
    for path in sorted(folder.glob(pattern)):
        try:
            status = path.stat()
        except OSError:
            continue  # whoever reads it will say so
        when = max(status.st_mtime_ns, status.st_ctime_ns)
        found.append((str(path), status.st_ino, status.st_size, when))
    return tuple(found)
