"""Mesa's `Model` alone.

`import mesa` also brings in graphs, spaces and scipy's geometry, which take a second of each start
and which no run uses. Whoever asks for more of mesa gets it: the rest is imported when it is first
looked up.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec, module_from_spec
from typing import Any


def _put_off() -> None:
    """Enter mesa as a package whose own statements run at the first look for what they define."""
    spec = find_spec("mesa")
    if spec is None or spec.loader is None or "mesa" in sys.modules:
        return
    loader, package = spec.loader, module_from_spec(spec)

    def rest(name: str) -> Any:
        if vars(package).pop("__getattr__", None) is not None:
            loader.exec_module(package)
        try:
            return vars(package)[name]
        except KeyError:
            raise AttributeError(f"module 'mesa' has no attribute {name!r}") from None

    vars(package)["__getattr__"] = rest
    sys.modules["mesa"] = package


_put_off()

from mesa.model import Model as Model  # noqa: E402  (only now)
