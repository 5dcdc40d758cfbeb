"""Packages whose own statements run only when something they define is looked up.

Some packages import, whole, what they are made of, for the sake of a name or two. Whoever needs
only a module inside such a package puts the package off first; whoever asks for more gets it.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec, module_from_spec
from threading import RLock
from typing import Any


def put_off(name: str) -> None:
    """Enter a package without running it; nothing to do where it was imported before."""
    spec = find_spec(name) if name not in sys.modules else None
    if spec is None or spec.loader is None:
        return
    loader, package, lock = spec.loader, module_from_spec(spec), RLock()
    begun: list[bool] = []

    def rest(wanted: str) -> Any:
        with lock:  # another thread waits; the package's own statements come by here as well
            if not begun:
                begun.append(True)
                loader.exec_module(package)
        try:
            return vars(package)[wanted]
        except KeyError:
            raise AttributeError(f"module {name!r} has no attribute {wanted!r}") from None

    vars(package)["__getattr__"] = rest
    sys.modules[name] = package
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, package)


put_off("scipy.special")

put_off("scipy.linalg")

# The normal distribution and its inverse, without the rest of scipy.special.
from scipy.special._ufuncs import ndtr as ndtr  # noqa: E402  (only now)
from scipy.special._ufuncs import ndtri as ndtri  # noqa: E402
