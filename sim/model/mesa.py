"""Mesa's `Model` alone.

`import mesa` also brings in graphs, spaces and scipy's geometry, which take a second of each start
and which no run uses. Whoever asks for more of mesa gets it: the rest is imported when it is first
looked up.
"""

from __future__ import annotations

import inspect

from sim.core.lazy import put_off

put_off("mesa")

# Mesa's logger asks for the source of every frame that waits for this import. Those of the importer
# have no file, and for each of them all modules are gone through: a third of a second. So say here
# whose they are.
for _part in ("_bootstrap", "_bootstrap_external"):
    inspect.modulesbyfile.setdefault(f"<frozen importlib.{_part}>", f"importlib.{_part}")

from mesa.model import Model as Model  # noqa: E402  (only now)
