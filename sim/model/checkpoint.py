"""A run between two months, kept in one file so that other runs can go on from there.

The file is an .npz of plain arrays and a JSON header with the SHA-256 of each, sealed like a
manifest: whatever was changed in it by accident is noticed, and nothing in it is ever executed. A
seal is no key, so `restore` believes no array (`sim.model.checkpoint_limits`). The file holds the
people (rows [0, n) with their holes), the stocks, the audit and the record of the past months.
What can be computed from the configuration and the data is not kept.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import struct
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import IO, Annotated, Any, Final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sim.agents.agencies import Agencies
from sim.agents.firms import kept_names, packed, unpacked
from sim.agents.population import FIELDS
from sim.agents.record import Audit, array_names
from sim.agents.state import State
from sim.agents.towns import Towns
from sim.core.clock import NEVER, month_index, month_name
from sim.core.errors import ConfigError
from sim.files.folder import sealed
from sim.files.foreign import Unreadable, open_regular
from sim.model.checkpoint_limits import problems_of

FORMAT: Final = 1

HEADER: Final = "header.json"

NAME: Final = re.compile(r"checkpoint-([0-9]{4}-[0-9]{2})\.npz")

ARRAYS: Final = ("cube", "place")
"""Arrays of the state that are kept as they are."""

APART: Final = ("people", "record", "audit", "month", "unaudited", "towns", "agencies", "labour")
"""Parts of the state that are kept in their own way."""

REBUILT: Final = (
    "rates", "places", "arrivals", "policy", "key", "scale", "crew", "bands", "base",
    "bounds", "books", "lists", "tallies", "world", "land", "bureau", "plain", "config", "origins",
    "followed",
)  # fmt: skip
"""Parts of the state that follow from the configuration and the data, or last for one month."""

PARTS: Final = {"audit": Audit, "towns": Towns, "agencies": Agencies}
"""Parts of the state whose every field is kept, arrays or single numbers."""

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


Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ArrayFacts(BaseModel):
    """Type, shape and SHA-256 of an array."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    dtype: str
    shape: list[int]
    sha256: Digest


class Header(BaseModel):
    """What a checkpoint says of itself, and of the run that wrote it (`sim.runs.run.facts_of`)."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    format: int
    month: Annotated[int, Field(ge=0, lt=NEVER)]
    unaudited: Annotated[int, Field(ge=0, lt=2**64)]
    run: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    config: str
    code_sha256: Digest
    data_sha256: Digest
    agent_months: Annotated[int, Field(ge=0, lt=2**62)]
    opening_residuals: dict[str, Any]
    arrays: dict[str, ArrayFacts]
    seal: Digest


def read(path: Path) -> Checkpoint:
    """A checkpoint that is as it was written. Raises ConfigError, naming the file, if it is not.

    Nothing of the file is believed before it is checked: the archive may hold only what the header
    names, which is what this version keeps, uncompressed and not twice; each array must have its
    SHA-256. Whether the arrays can be a state of a model is asked by `restore`.
    """
    try:
        with open_regular(path) as stream, zipfile.ZipFile(stream) as archive:
            header = _header(archive, os.fstat(stream.fileno()).st_size)
            arrays = {
                name: _array(archive, name, facts) for name, facts in header["arrays"].items()
            }
    except Unreadable as error:
        raise ConfigError(str(error)) from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from error
    except _BROKEN as error:
        raise ConfigError(f"{path} is damaged or no checkpoint: {_first(error)}") from error
    return Checkpoint(path, header, arrays)


_BROKEN: Final = (
    ValueError, KeyError, TypeError, AttributeError, EOFError, MemoryError, RuntimeError,
    OverflowError, zipfile.BadZipFile, struct.error, SyntaxError,
)  # fmt: skip
"""What the readers of .npz and JSON raise for files that are not theirs."""


def _first(error: BaseException) -> str:
    """What is wrong, in one line."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"its header: {'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error)


def _header(archive: zipfile.ZipFile, size: int) -> dict[str, Any]:
    """The header of an archive of so many bytes. Raises one of _BROKEN."""
    members = archive.infolist()
    for member in members:
        if member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size:
            raise ValueError(f"{member.filename} is compressed")
    if np.sum([member.file_size for member in members]) > size:
        raise ValueError("its parts lie over each other")
    if archive.getinfo(HEADER).file_size > _MOST_HEADER:
        raise ValueError("its header is too long")
    text = archive.read(HEADER).decode("utf-8")
    header = json.loads(text)
    if sealed(header) != text:
        raise ValueError("its header is not as it was written")
    if header["format"] != FORMAT:
        raise ValueError(f"it has format {header['format']}, this version reads {FORMAT}")
    Header.model_validate(header)
    names = {HEADER, *(f"{name}.npy" for name in header["arrays"])}
    if len(members) != len(names) or {member.filename for member in members} != names:
        raise ValueError("it does not hold what its header says")
    return dict(header)


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

    Raises ConfigError if it cannot be a state of this model (`sim.model.checkpoint_limits`):
    nothing of it would be checked later.
    """
    strange = sorted(set(_names()) ^ set(kept.arrays))
    problems = [f"{name} is in one and not in the other" for name in strange]
    month = kept.header["month"]
    if month < month_index(state.config.start):
        problems.append(f"its month, {month_name(month)}, lies before {state.config.start}")
    problems = problems or list(problems_of(kept.arrays, month, state))
    if problems:
        raise ConfigError([f"{kept.path} does not fit this model: {what}" for what in problems])
    columns = {name: kept.arrays[f"people.{name}"] for name in FIELDS}
    state.people.resume(columns, kept.arrays["free"])
    state.month = month
    state.unaudited = np.uint64(kept.header["unaudited"])
    for name in ARRAYS:
        setattr(state, name, kept.arrays[name].copy())
    state.labour = unpacked({name: kept.arrays[f"labour.{name}"] for name in kept_names()})
    state.record.resume(_below("record", kept.arrays))
    for prefix, part in _parts(state):
        for name, array in _below(prefix, kept.arrays).items():
            setattr(part, name, array.copy() if array.ndim else array.item())


def _below(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays whose names begin with the prefix and a dot, by the rest of their names."""
    start = f"{prefix}."
    return {name.removeprefix(start): a for name, a in arrays.items() if name.startswith(start)}
