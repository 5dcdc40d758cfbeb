"""Two folders of what should be the same run: which files differ, where, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from sim.errors import OutputError
from sim.outputs import read_parquet

Manifest = dict[str, Any]
MOST_NAMED = 5


def files(old: Path, then: Manifest, new: Path, now: Manifest) -> list[str]:
    """Every file that is in one run only, or has other bytes; one sentence each."""
    found = []
    for name in sorted(set(then["files"]) | set(now["files"])):
        before, after = then["files"].get(name), now["files"].get(name)
        if before is None or after is None:
            found.append(f"{name} is only in the {'new' if before is None else 'old'} run")
        elif before["sha256"] != after["sha256"]:
            found.append(f"{name} {_how(old / name, new / name)}")
    return found


def _how(old: Path, new: Path) -> str:
    if old.suffix == ".parquet":
        try:
            return _tables(read_parquet(old).to_pandas(), read_parquet(new).to_pandas())
        except OutputError as error:
            return f"cannot be compared: {error}"
    if old.suffix == ".yaml":
        before, after = (path.read_text("utf-8").splitlines() for path in (old, new))
        other = [k for k in range(min(len(before), len(after))) if before[k] != after[k]]
        line = other[0] if other else min(len(before), len(after))
        return f"has other settings, from line {line + 1} on"
    return f"has other bytes ({old.stat().st_size:,}, now {new.stat().st_size:,})"


def _tables(old: pd.DataFrame, new: pd.DataFrame) -> str:
    """How two tables of the same run differ: numbers with a point are values, the rest keys."""
    names, now = ([str(name) for name in table] for table in (old, new))
    if names != now:
        return f"has other columns: {', '.join(names)}; now {', '.join(now)}"
    values = [name for name in names if old[name].dtype == "float64"]
    keys = [name for name in names if name not in values]
    before, after = (
        table.astype(dict.fromkeys(keys, str)).melt(keys, values, "value of", "is")
        for table in (old, new)
    )
    both = before.merge(after, "outer", [*keys, "value of"], suffixes=(" then", " now"))
    other = both[
        both["is then"].ne(both["is now"]) & both[["is then", "is now"]].notna().any(axis=1)
    ]
    if other.empty:
        return "holds the same values in other bytes or another order"
    apart = (other["is then"].fillna(0.0) - other["is now"].fillna(0.0)).abs()
    where = ", ".join(other.loc[apart.idxmax(), [*keys, "value of"]].tolist())  # type: ignore[index]
    return f"differs in {len(other):,} of {len(both):,} values, most by {apart.max():g} ({where})"


def causes(then: Manifest, now: Manifest) -> list[str]:
    """What is not as it was when the first run was made; says so if nothing is known."""
    old, new = then.get("environment", {}), now["environment"]
    found = []
    for what, key in (("the code", "code"), ("the data", "data")):
        if then[f"{key}_sha256"] != now[f"{key}_sha256"]:
            changed = _changed(then.get(f"{key}_files", {}), now[f"{key}_files"])
            found.append(f"because: {what} changed since{_commits(old, new, key)}{changed}")
    for name in sorted({*old.get("packages", {}), *new["packages"]}):
        before, after = old.get("packages", {}).get(name), new["packages"].get(name)
        if before != after:
            found.append(
                f"perhaps because: {name} was {before or 'absent'}, is {after or 'absent'}"
            )
    for what, key in (("Python", "python"), ("the processor", "cpu"), ("the system", "platform")):
        if old.get(key) != new.get(key):
            found.append(f"perhaps because: {what} was {old.get(key)}, is {new.get(key)}")
    return found or [
        "and nothing explains it: code, data, packages and processor are the same; this is a bug"
    ]


def _commits(old: Manifest, new: Manifest, key: str) -> str:
    before, after = old.get("git"), new.get("git")
    if key != "code" or not before or not after or before["commit"] == after["commit"]:
        return ""
    return f" (commit {before['commit'][:12]}, now {after['commit'][:12]})"


def _changed(old: dict[str, str], new: dict[str, str]) -> str:
    names = [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f": {', '.join(names[:MOST_NAMED])}{more}" if old else ""
