"""The file of a checkpoint: everything of a run is in it, and nothing of a foreign one gets out."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from sim.agents.state import State
from sim.config.schema.run import RunConfig
from sim.core.clock import month_index, month_name
from sim.core.errors import ConfigError
from sim.files.folder import sealed
from sim.model.checkpoint import APART, ARRAYS, REBUILT, read, restore, writer
from sim.model.model import Kyosei
from sim.model.opening import blank_state
from tests.helpers import tiny
from tests.model.test_metamorphic import assert_same
from tests.model.test_reference import rich

MONTHS = 24
FACTS = {
    "run": "0" * 16, "config": "", "code_sha256": "0" * 64, "data_sha256": "0" * 64,
    "agent_months": 0, "opening_residuals": {},
}  # fmt: skip


def kept(state: State) -> bytes:
    buffer = io.BytesIO()
    writer(state, FACTS)(buffer)
    return buffer.getvalue()


def resumed(payload: bytes, folder: Path, cfg: RunConfig, threads: int) -> Kyosei:
    path = folder / "checkpoint-2025-12.npz"
    path.write_bytes(payload)
    state = blank_state(cfg, tiny.data(), 10, threads)
    restore(read(path), state)
    return Kyosei(cfg, state=state)


def test_every_part_of_a_state_is_kept_or_computed_again():
    """A new field of State must be put into one of the three lists, or forks would lose it."""
    parts = [*ARRAYS, *APART, *REBUILT]
    assert sorted(parts) == sorted(field.name for field in fields(State))


@pytest.fixture(scope="module")
def straight() -> tuple[RunConfig, Kyosei, list[bytes]]:
    """Two years of the tiny country, and what is kept after each month, the opening included."""
    cfg = rich()
    model = tiny.model(cfg, tiny.columns(3000))
    payloads = [kept(model.state)]
    for _ in range(MONTHS):
        model.step()
        payloads.append(kept(model.state))
    return cfg, model, payloads


@pytest.mark.parametrize("month", [0, 1, 2, 5, 6, 7, 11, 12, 13, 18, 23, 24])
def test_two_parts_are_the_whole(straight, tmp_path, month):
    """At any month, with any number of threads, holes and free rows as they were."""
    cfg, whole, payloads = straight
    second = resumed(payloads[month], tmp_path, cfg, threads=1 + month % 3)
    assert second.date == month_name(month_index(tiny.START) + month)
    for _ in range(MONTHS - month):
        second.step()
    assert_same(whole, second)
    assert kept(second.state) == payloads[-1]


def test_a_part_may_be_split_again(straight, tmp_path):
    cfg, _, payloads = straight
    for month in range(0, MONTHS, 8):
        model = resumed(payloads[month], tmp_path, cfg, threads=2)
        for _ in range(8):
            model.step()
        assert kept(model.state) == payloads[month + 8]


def test_the_file_is_plain_arrays(straight, tmp_path):
    path = tmp_path / "checkpoint-2025-12.npz"
    path.write_bytes(straight[2][6])
    with np.load(path, allow_pickle=False) as arrays:
        people = arrays["people.key"].size
        assert all(arrays[name].dtype != object for name in arrays.files if name.endswith(".npy"))
    assert 3000 < people < 20_000


class Spoiled:
    """A checkpoint's file taken apart, to be put together wrongly."""

    def __init__(self, payload: bytes) -> None:
        with zipfile.ZipFile(io.BytesIO(payload)) as archive:
            self.members = {name: archive.read(name) for name in archive.namelist()}

    def array(self, name: str) -> np.ndarray:
        return np.load(io.BytesIO(self.members[f"{name}.npy"]), allow_pickle=False)

    def put(self, name: str, array: np.ndarray, seal: bool = True) -> None:
        """Replace an array, and what the header says of it, as somebody who knows how would."""
        buffer = io.BytesIO()
        np.save(buffer, array)
        self.members[f"{name}.npy"] = buffer.getvalue()
        header = json.loads(self.members["header.json"])
        facts = {"dtype": array.dtype.str, "shape": list(array.shape),
                 "sha256": hashlib.sha256(array.tobytes()).hexdigest()}  # fmt: skip
        header["arrays"][name] = facts
        self.members["header.json"] = (sealed(header) if seal else str(header)).encode()

    def write(self, path: Path, compression: int = zipfile.ZIP_STORED) -> Path:
        with zipfile.ZipFile(path, "w", compression) as archive:
            for name, payload in self.members.items():
                archive.writestr(name, payload)
        return path


def refusal(path: Path) -> str:
    cfg = rich()
    with pytest.raises(ConfigError) as caught:
        restore(read(path), blank_state(cfg, tiny.data(), 10, 1))
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_a_flipped_bit_anywhere_is_noticed(straight, tmp_path):
    payload, path = straight[2][3], tmp_path / "checkpoint-2025-09.npz"
    for place in np.linspace(0, len(payload) - 1, 60).astype(int):
        content = bytearray(payload)
        content[place] ^= 1 << (place % 8)
        path.write_bytes(content)
        try:
            same = kept(resumed(path.read_bytes(), tmp_path, straight[0], 1).state)
        except ConfigError:
            continue
        assert same == payload, f"byte {place}"  # a date in the archive, which nobody reads


@pytest.mark.parametrize(
    ("name", "value"),
    [("status", 200), ("stage", 250), ("origin", 9), ("sex", 2), ("municipality", 60_000),
     ("principal", 2**30), ("principal", -2), ("language", 5), ("arrears", 8), ("born", -20_000),
     ("risk", 2**31), ("event", 3)],
)  # fmt: skip
def test_codes_outside_their_tables_never_reach_a_kernel(straight, tmp_path, name, value):
    spoiled = Spoiled(straight[2][3])
    array = spoiled.array(f"people.{name}").copy()
    array[np.flatnonzero(spoiled.array("people.status") < 5)[7]] = value
    spoiled.put(f"people.{name}", array)
    assert f"{name} is not" in refusal(spoiled.write(tmp_path / "x.npz"))


def test_foreign_shapes_never_reach_a_kernel(straight, tmp_path):
    for name, array, says in (
        ("people.born", np.zeros(5, np.int16), "people.born is int16[5]"),
        ("people.key", np.zeros(5, np.uint64), "people.status is"),
        ("free", np.arange(3, dtype=np.int32), "its free rows are not its holes"),
        ("cube", np.zeros(3, np.int64), "cube is int64[3]"),
        ("place", np.zeros(30, np.float64), "place is float64[30]"),
        ("extra", np.zeros(3), "extra is in one and not in the other"),
    ):
        spoiled = Spoiled(straight[2][3])
        spoiled.put(name, array)
        assert says in refusal(spoiled.write(tmp_path / "x.npz")), name


def test_no_pickle_and_no_bomb_is_opened(straight, tmp_path):
    path = tmp_path / "x.npz"
    spoiled = Spoiled(straight[2][3])
    buffer = io.BytesIO()
    np.save(buffer, np.array([Path("canary")], object), allow_pickle=True)
    spoiled.members["people.key.npy"] = buffer.getvalue()
    assert "allow_pickle=False" in refusal(spoiled.write(path))
    assert "is compressed" in refusal(Spoiled(straight[2][3]).write(path, zipfile.ZIP_DEFLATED))
    stray = Spoiled(straight[2][3])
    stray.members["../../canary.npy"] = b"x"
    assert "does not hold what its header says" in refusal(stray.write(path))
    unsealed = Spoiled(straight[2][3])
    unsealed.put("free", np.zeros(0, np.int32), seal=False)
    assert "damaged or no checkpoint" in refusal(unsealed.write(path))
    huge = Spoiled(straight[2][3])
    head = huge.members["free.npy"]
    huge.members["free.npy"] = head.replace(b"'shape': (", b"'shape': (99999999999,")
    assert "damaged or no checkpoint" in refusal(huge.write(path))
    path.write_bytes(b"\x80\x04\x95 a pickle, by its first bytes")
    assert "damaged or no checkpoint" in refusal(path)
    path.write_bytes(b"")
    assert "damaged or no checkpoint" in refusal(path)
    path.unlink()
    path.mkdir()
    assert "cannot be read" in refusal(path)
