"""Two folders of what should be the same run: which files differ, where, and why."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from sim.config.compose import from_yaml, with_data_in
from sim.config.schema.run import RunConfig
from sim.config.yaml import MOST_BYTES
from sim.core.errors import ConfigError, OutputError, printable
from sim.files.folder import read_manifest, read_parquet
from sim.files.manifest import code_digest, environment, verify
from sim.model.checkpoint import kept_months
from sim.runs.run import CONFIG, VOLATILE, run

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
    names = [*keys, "value of"]
    before, after = (_numbered(table, keys, values) for table in (old, new))
    both = before.merge(after, "outer", [*names, "again"], suffixes=(" then", " now"))
    other = both[
        both["is then"].ne(both["is now"]) & both[["is then", "is now"]].notna().any(axis=1)
    ]
    if other.empty:
        return "holds the same values in other bytes or another order"
    apart = (other["is then"].fillna(0.0) - other["is now"].fillna(0.0)).abs()
    where = ", ".join(other.loc[apart.idxmax(), names].tolist())  # type: ignore[index]
    return f"differs in {len(other):,} of {len(both):,} values, most by {apart.max():g} ({where})"


def causes(then: Manifest, now: Manifest) -> list[str]:
    """What is not as it was when the first run was made; says so if nothing is known."""
    old, new = _past(then), now["environment"]
    found = []
    code = code_change(then, now["code_sha256"], new)
    if code:
        found.append(f"{code}{_changed(then.get('code_files', {}), now['code_files'])}")
    if then.get("data_sha256") != now["data_sha256"]:
        changed = _changed(then.get("data_files", {}), now["data_files"])
        found.append(f"because: the data changed since{changed}")
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


def _numbered(table: pd.DataFrame, keys: list[str], values: list[str]) -> pd.DataFrame:
    """One value a row; rows with the same keys are told apart by their order."""
    long = table.astype(dict.fromkeys(keys, str)).melt(keys, values, "value of", "is")
    return long.assign(again=long.groupby([*keys, "value of"]).cumcount())


def code_change(then: Manifest, digest: str, new: Manifest) -> str:
    """That the code of a run is not this code, with both commits if they are known; or ''."""
    if then.get("code_sha256") == digest:
        return ""
    before, after = ((facts.get("git") or {}).get("commit") for facts in (_past(then), new))
    commits = (
        f" (commit {before[:12]}, now {after[:12]})" if before and after and after != before else ""
    )
    return f"because: the code changed since{commits}"


def _past(then: Manifest) -> Manifest:
    found: Manifest = then.get("environment", {})
    return found


def _changed(old: dict[str, str], new: dict[str, str]) -> str:
    names = [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f": {', '.join(names[:MOST_NAMED])}{more}" if old else ""


def _read_again(folder: Path, manifest: dict[str, Any]) -> RunConfig:
    try:
        with open(folder / CONFIG, "rb") as stream:
            return with_data_in(folder, from_yaml(stream.read(MOST_BYTES + 1)))
    except ConfigError as error:
        if manifest.get("code_sha256") == code_digest():
            raise
        why = code_change(manifest, code_digest(), environment())
        raise ConfigError([*error.problems, why]) from error


def reproduce(folder: Path) -> list[str]:
    """Run again from the folder alone and compare every byte; returns what differs and why.

    Raises ConfigError if it holds no finished run, or one that this version cannot read.
    """
    manifest = read_manifest(folder)
    if manifest is None or manifest.get("kind") != "run":
        raise ConfigError(f"{folder} has no valid manifest.json: only a finished run has one")
    damaged = verify(folder)
    if CONFIG not in manifest["files"] or any(text.startswith(CONFIG) for text in damaged):
        return damaged or [f"{CONFIG} is not in the manifest"]
    config = _read_again(folder, manifest)
    kept = sorted(kept_months(manifest["files"])) or None
    with tempfile.TemporaryDirectory(prefix="kyosei-") as scratch:
        again = run(
            config.model_copy(update={**VOLATILE, "output": scratch, "checkpoint": kept}),
            quiet=True,
        )
        fresh = read_manifest(again)
        assert fresh is not None
        problems = files(folder, manifest, again, fresh)
    why = causes(manifest, fresh) if problems else []
    return [printable(text) for text in (*damaged, *problems, *why)]
