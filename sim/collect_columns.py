"""What tells runs apart: scenario, seed, replicate, scale and every setting that was swept."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import yaml

from sim.config_yaml import plain

RECORDS: Final = ".sweeps/*/sweep.json"
ALWAYS: Final = ("scenario", "seed", "replicate", "scale")
MOST_FOUND: Final = 64
"""Settings that differ without having been swept; above this they are two different studies."""


@dataclass(frozen=True)
class Run:
    """A complete run."""

    folder: Path
    manifest: dict[str, Any]
    settings: str  # config.yaml

    @property
    def name(self) -> str:
        return self.folder.name


def columns_of(runs: Sequence[Run], root: Path) -> dict[str, pa.Array]:
    """A column of one value for each run: those always there, then the others by name.

    A value is read from the run's own config.yaml. Choices of files, which it does not hold, come
    from the records of the sweeps below `root`. Runs that these columns do not tell apart get
    columns for whatever else differs.
    """
    swept = _swept(root, {run.name for run in runs})
    names = sorted({name for words in swept.values() for name in words} - set(ALWAYS))
    values = {name: [run.manifest[name] for run in runs] for name in ALWAYS}
    for name in names:
        values[name] = [_value(run, name, swept) for run in runs]
    for name, found in _more(runs, list(zip(*values.values(), strict=True))).items():
        values.setdefault(name, found)
    return {name: _array(found) for name, found in values.items()}


def _swept(root: Path, runs: set[str]) -> dict[str, dict[str, str]]:
    """For each run the values of its sweep's swept settings, as they were written."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted(root.glob(f"**/{RECORDS}")):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            rows = [(row["run"], row["overrides"]) for row in record["runs"]]
            names = record["swept"]
        except (OSError, ValueError, KeyError, TypeError):
            continue  # only a hint: what matters stands in the runs
        for run, words in rows:
            if run in runs:
                given = dict(word.partition("=")[::2] for word in words)
                found.setdefault(run, {}).update({n: given[n] for n in names if n in given})
    return found


def _value(run: Run, name: str, swept: dict[str, dict[str, str]]) -> Any:
    """The setting in the configuration; else what the sweep's words say; else None."""
    written = setting(run.settings, name)
    if written is not None:
        return yaml.safe_load(written) if written[:1] in "\"'[{" else plain(written)
    return swept.get(run.name, {}).get(name)


def setting(text: str, name: str) -> str | None:
    """What stands at a dotted name in a config.yaml as `sim.config.to_yaml` writes it.

    None if there is no such setting or if it holds others. Searches the text, which is a hundred
    times faster than parsing it.
    """
    first, last, indent = 0, len(text), ""
    steps = name.split(".")
    for depth, step in enumerate(steps):
        spots = [_find(text, f"{indent}{key}:", first, last) for key in (step, f'"{step}"')]
        spot = max(spots)
        if spot < 0:
            return None
        line_end = text.find("\n", spot)
        rest = text[text.index(":", spot) + 1 : line_end].strip()
        if depth == len(steps) - 1:
            return rest or None
        first, indent = line_end, indent + "  "
        last = _end_of_block(text, first, last, indent)
    return None


def _find(text: str, start: str, first: int, last: int) -> int:
    """Where a line begins with these characters, in [first, last); -1 if none does."""
    if first == 0 and text.startswith(start):
        return 0
    spot = text.find(f"\n{start}", max(first, 0), last)
    return spot if spot < 0 else spot + 1


def _end_of_block(text: str, first: int, last: int, indent: str) -> int:
    """Where the lines that follow `first` with this indent, or more, end."""
    at = first
    while at < last and text.startswith(indent, at + 1):
        at = text.find("\n", at + 1)
    return min(at, last) + 1


def _more(runs: Sequence[Run], known: Sequence[tuple[Any, ...]]) -> dict[str, list[Any]]:
    """Columns for what else differs between runs that are alike in the columns known so far."""
    groups: dict[tuple[Any, ...], list[int]] = {}
    for i, values in enumerate(known):
        groups.setdefault(values, []).append(i)
    alike = [i for group in groups.values() if len(group) > 1 for i in group]
    if not alike:
        return {}
    flat = {i: dict(_leaves(runs[i].settings)) for i in alike}
    names = sorted({name for leaves in flat.values() for name in leaves})
    differ = [name for name in names if len({flat[i].get(name) for i in alike}) > 1]
    found: dict[str, list[Any]] = {}
    for name in differ[:MOST_FOUND]:
        found[name] = [_value(run, name, {}) for run in runs]
    for name in ("code_sha256", "data_sha256"):
        digests = [run.manifest[name][:16] for run in runs]
        if len(set(digests)) > 1:
            found[name] = digests
    return found


def _leaves(text: str) -> Iterator[tuple[str, str]]:
    """(dotted name, value as written) of every setting in a config.yaml."""
    path: list[str] = []
    for line in text.splitlines():
        key, _, value = line.strip().partition(":")
        depth = (len(line) - len(line.lstrip(" "))) // 2
        path[depth:] = [key.strip('"')]
        if value:
            yield ".".join(path), value.strip()


def _array(values: list[Any]) -> pa.Array:
    """Whole numbers, numbers, truth values, or else text; None where a run has no such setting."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int}:
        return pa.array(values, pa.int64())
    if kinds and kinds <= {int, float}:
        return pa.array([None if v is None else float(v) for v in values], pa.float64())
    if kinds == {bool}:
        return pa.array(values, pa.bool_())
    text = [v if v is None or isinstance(v, str) else json.dumps(v) for v in values]
    return pa.array(text, pa.string())
