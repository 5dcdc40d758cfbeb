"""Caches of a process, for the few results that are expensive and asked for again.

Passing a result on is better than caching it. Each cache says at its definition what making a
result costs, as measured in 2026 on one core.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")

State = tuple[tuple[str, int, int, int], ...]


class LastResults(Generic[T]):
    """The last `size` results by key. A key must hold everything that its result depends on.

    Everyone who asks gets the same object: it must be frozen, or copied before it is changed.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: dict[Hashable, T] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The result for a key, made if it is not among the last ones. Errors are not kept."""
        found = self._kept.pop(key) if key in self._kept else make()
        self.put(key, found)
        return found

    def put(self, key: Hashable, result: T) -> None:
        """Keep a result that was made elsewhere."""
        self._kept.pop(key, None)
        while len(self._kept) >= self._size:
            self._kept.pop(next(iter(self._kept)))
        self._kept[key] = result

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()


class ByIdentity(Generic[T]):
    """The last `size` results about frozen objects, found by the identity of these objects.

    For objects that take longer to compare by value than the result takes to make. Safe for two
    reasons: nobody changes the objects, which the caller must know; and they are kept here beside
    the result, so no other object can come to have the identity of one of them.
    """

    def __init__(self, size: int) -> None:
        self._results: LastResults[tuple[tuple[object, ...], T]] = LastResults(size)

    def get(self, objects: tuple[object, ...], make: Callable[[], T], also: Hashable = None) -> T:
        """The result about these objects, made if it is not among the last ones.

        also  what else the result depends on: compared by value
        """
        key = (*map(id, objects), also)
        return self._results.get(key, lambda: (objects, make()))[1]

    def clear(self) -> None:
        """Forget all."""
        self._results.clear()


def state_of(paths: Iterable[Path]) -> State:
    """Name, inode, size and time of the last change (ns) of the files: changes when one does."""
    found = []
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            continue  # whoever reads it will say so
        when = max(status.st_mtime_ns, status.st_ctime_ns)
        found.append((str(path), status.st_ino, status.st_size, when))
    return tuple(found)


def state_of_files(folder: Path, pattern: str) -> State:
    """The state of the files of a folder."""
    return state_of(sorted(folder.glob(pattern)))
