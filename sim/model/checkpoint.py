"""A run between two months, kept in one file so that other runs can go on from there.

The file is an .npz of plain arrays and a JSON header with the SHA-256 of each, sealed like a
manifest: whatever was changed in it is noticed, and nothing in it is ever executed. It holds the
people (rows [0, n) with their holes), the stocks, the audit and the record of the past months.
What can be computed from the configuration and the data is not kept.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

from sim.agents.agencies import Agencies
from sim.agents.firms import Labour, kept_names, packed, unpacked
from sim.agents.population import FIELDS, HOLE
from sim.agents.record import Audit, array_names
from sim.agents.state import State
from sim.agents.towns import Towns
from sim.core.clock import NEVER, month_name
from sim.core.errors import ConfigError
from sim.files.folder import sealed
from sim.processes.risk import n_classes
from sim.rates.statuses import has_firms

FORMAT: Final = 1

HEADER: Final = "header.json"

NAME: Final = re.compile(r"checkpoint-([0-9]{4}-[0-9]{2})\.npz")

ARRAYS: Final = ("cube", "place")
"""Arrays of the state that are kept as they are."""

APART: Final = ("people", "record", "audit", "month", "unaudited", "towns", "agencies", "labour")
"""Parts of the state that are kept in their own way."""

REBUILT: Final = (
    "model", "places", "plan", "rates", "key", "scale", "crew", "bands", "base", "bounds", "books",
    "lists", "tallies", "world", "land", "bureau", "plain", "config",
    "origins",
)  # fmt: skip
"""Parts of the state that follow from the configuration and the data, or last for one month."""

PARTS: Final = {"audit": Audit, "towns": Towns, "agencies": Agencies}
"""Parts of the state whose every field is kept, arrays or single numbers."""

_LONG_AGO: Final = -1200

_MOST_HEADER: Final = 16 * 1024 * 1024


@dataclass(frozen=True)
class Checkpoint:
    """A kept state.

    header  month (index), unaudited, and what the writer added: see `sim.runs.run`
    arrays  name -> array: `people.<field>` [n], `free`, `cube`, `place`, `record.*`, `audit.*`,
            `towns.*`, `agencies.*`
    """

    path: Path
    header: dict[str, Any]
    arrays: dict[str, np.ndarray]


def file_name(month: str) -> str:
    """Name of the checkpoint of a month, YYYY-MM."""
    return f"checkpoint-{month}.npz"


def kept_months(names: Iterable[str]) -> set[str]:
    """Months of the checkpoints among the names of files."""
    return {match[1] for match in map(NAME.fullmatch, names) if match}


def writer(state: State, facts: Mapping[str, Any]) -> Callable[[IO[bytes]], None]:
    """What writes the state of a run, with `facts` in the header, to an open file."""
    arrays = dict(_of_state(state))
    header = {
        **facts,
        "format": FORMAT,
        "month": state.month,
        "unaudited": int(state.unaudited),
        "arrays": {
            name: {"dtype": a.dtype.str, "shape": list(a.shape), "sha256": _digest(a)}
            for name, a in arrays.items()
        },
    }

    def write(stream: IO[bytes]) -> None:
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(zipfile.ZipInfo(HEADER), sealed(header))
            for name, array in arrays.items():
                with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, array, allow_pickle=False)

    return write


def snapshot(state: State, facts: Mapping[str, Any]) -> Checkpoint:
    """The state of a run, with `facts` in the header, in memory: nothing of it changes any more."""
    header = {**facts, "month": state.month, "unaudited": int(state.unaudited)}
    arrays = {name: array.copy() for name, array in _of_state(state)}
    return Checkpoint(Path(file_name(month_name(state.month))), header, arrays)


def _digest(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()


def _of_state(state: State) -> Iterator[tuple[str, np.ndarray]]:
    for name in FIELDS:
        yield f"people.{name}", state.people[name]
    yield "free", state.people.free_rows
    for name in ARRAYS:
        yield name, getattr(state, name)
    for name, array in packed(state.labour).items():
        yield f"labour.{name}", array
    for name, array in state.record.arrays():
        yield f"record.{name}", array
    for prefix, part in _parts(state):
        for field in fields(part):
            yield f"{prefix}.{field.name}", np.asarray(getattr(part, field.name))


def _parts(state: State) -> Iterator[tuple[str, Any]]:
    for name in PARTS:
        yield name, getattr(state, name)


def _names() -> Iterator[str]:
    """Names of all arrays of a checkpoint."""
    yield from (f"people.{name}" for name in FIELDS)
    yield from ("free", *ARRAYS)
    yield from (f"labour.{name}" for name in kept_names())
    yield from (f"record.{name}" for name in array_names())
    for prefix, part in PARTS.items():
        yield from (f"{prefix}.{field.name}" for field in fields(part))


def read(path: Path) -> Checkpoint:
    """A checkpoint that is as it was written. Raises ConfigError, naming the file, if it is not.

    Nothing of the file is believed before it is checked: the archive may hold only what the
    header names, uncompressed, and each array must have its SHA-256.
    """
    try:
        with open(path, "rb") as stream, zipfile.ZipFile(stream) as archive:
            header = _header(archive)
            arrays = {
                name: _array(archive, name, facts) for name, facts in header["arrays"].items()
            }
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from error
    except _BROKEN as error:
        raise ConfigError(f"{path} is damaged or no checkpoint: {error}") from error
    return Checkpoint(path, header, arrays)


_BROKEN: Final = (
    ValueError, KeyError, TypeError, AttributeError, EOFError, MemoryError, RuntimeError,
    OverflowError, zipfile.BadZipFile,
)  # fmt: skip
"""What the readers of .npz and JSON raise for files that are not theirs."""


def _header(archive: zipfile.ZipFile) -> dict[str, Any]:
    members = archive.infolist()
    for member in members:
        if member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size:
            raise ValueError(f"{member.filename} is compressed")
    if archive.getinfo(HEADER).file_size > _MOST_HEADER:
        raise ValueError("its header is too long")
    text = archive.read(HEADER).decode("utf-8")
    header = json.loads(text)
    if sealed(header) != text:
        raise ValueError("its header is not as it was written")
    if header["format"] != FORMAT:
        raise ValueError(f"it has format {header['format']}, this version reads {FORMAT}")
    names = {HEADER, *(f"{name}.npy" for name in header["arrays"])}
    if len(members) != len(names) or {member.filename for member in members} != names:
        raise ValueError("it does not hold what its header says")
    return header


def _array(archive: zipfile.ZipFile, name: str, facts: Mapping[str, Any]) -> np.ndarray:
    with archive.open(f"{name}.npy") as member:
        array = np.lib.format.read_array(member, allow_pickle=False)
    if [array.dtype.str, list(array.shape)] != [facts["dtype"], facts["shape"]]:
        raise ValueError(f"{name} has another shape than its header says")
    if _digest(array) != facts["sha256"]:
        raise ValueError(f"{name} was changed: its SHA-256 differs")
    return array


def restore(kept: Checkpoint, state: State) -> None:
    """Put a kept state into the blank state of the run that goes on from it.

    Raises ConfigError if it does not fit the model: nothing of it would be checked later.
    """
    strange = sorted(set(_names()) ^ set(kept.arrays))
    problems = [f"{name} is in one and not in the other" for name in strange]
    problems = problems or list(_misfits(kept.arrays, state))
    if problems:
        raise ConfigError([f"{kept.path} does not fit this model: {what}" for what in problems])
    columns = {name: kept.arrays[f"people.{name}"] for name in FIELDS}
    state.people.resume(columns, kept.arrays["free"])
    state.month = kept.header["month"]
    state.unaudited = np.uint64(kept.header["unaudited"])
    for name in ARRAYS:
        setattr(state, name, kept.arrays[name].copy())
    state.labour = _labour(kept.arrays)
    state.record.resume(_below("record", kept.arrays))
    for prefix, part in _parts(state):
        for name, array in _below(prefix, kept.arrays).items():
            setattr(part, name, array.copy() if array.ndim else array.item())


def _below(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays whose names begin with the prefix and a dot, by the rest of their names."""
    start = f"{prefix}."
    return {name.removeprefix(start): a for name, a in arrays.items() if name.startswith(start)}


def _labour(arrays: Mapping[str, np.ndarray]) -> Labour | None:
    return unpacked({name: arrays[f"labour.{name}"] for name in kept_names()})


def _misfits(arrays: Mapping[str, np.ndarray], state: State) -> Iterator[str]:
    """What a kernel would trip over: it never looks whether an index is inside a table."""
    s, o, _, m = state.sizes
    n = arrays["people.key"].size
    stages = state.model.status.stage_cut.shape[1]
    alive = arrays["people.status"] != HOLE
    for name, low, high in (
        ("status", 0, s - 1), ("stage", 0, stages - 1), ("origin", 0, o - 1), ("sex", 0, 1),
        ("born", _LONG_AGO, NEVER - 1), ("entered", _LONG_AGO, NEVER - 1),
        ("since", _LONG_AGO, NEVER - 1), ("municipality", 0, m - 1), ("principal", -1, n - 1),
        ("language", 0, 4), ("arrears", 0, 7), ("traits", 0, 3), ("event", 0, 0),
        ("risk", 0, n_classes(s)),
    ):  # fmt: skip
        values = arrays[f"people.{name}"]
        values = values[alive] if values.size == n and name == "status" else values
        if values.size and not low <= int(values.min()) <= int(values.max()) <= high:
            yield f"{name} is not {low} to {high}"
    for name, (dtype, _) in FIELDS.items():
        column = arrays[f"people.{name}"]
        if column.shape != (n,) or column.dtype != dtype:
            yield f"people.{name} is {column.dtype}{list(column.shape)}"
    if not np.array_equal(np.sort(arrays["free"]), np.flatnonzero(~alive)):
        yield "its free rows are not its holes"
    for name in ARRAYS:
        own = getattr(state, name)
        if arrays[name].shape != own.shape or arrays[name].dtype != own.dtype:
            yield f"{name} is {arrays[name].dtype}{list(arrays[name].shape)}"
    for part in ("towns", "agencies"):
        for name, own in vars(getattr(state, part)).items():
            given = arrays[f"{part}.{name}"]
            if given.shape != own.shape or given.dtype != own.dtype:
                yield f"{part}.{name} is {given.dtype}{list(given.shape)}"
            elif not np.isfinite(given).all():
                yield f"{part}.{name} is not finite"
    try:
        labour = _labour(arrays)
    except ValueError as error:
        yield str(error)
    else:
        firm, rows = arrays["people.firm"], labour.firms.n if labour is not None else 0
        if firm.size and not -1 <= int(firm.min()) <= int(firm.max()) < max(rows, 0):
            yield f"firm is not -1 to {rows - 1}"
        if (labour is not None) != has_firms(state.config):
            yield "firms act in one and not in the other"
    level = arrays["towns.level"]
    if level.size and int(level.max()) > 3:
        yield "towns.level is not 0 to 3"
