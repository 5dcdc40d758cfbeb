"""A run's folder: whole files or none, whatever happens, and every change noticed."""

import json
import os
import resource
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sim.core import numba_cache as numba_cache_module
from sim.core.errors import InvariantError, KyoseiError, OutputError
from sim.files import lock, manifest
from sim.files.folder import RunFolder, is_complete, read_manifest, read_parquet, write_atomically
from sim.files.manifest import listing, verify

RUN = "0123456789abcdef"
TABLE = pa.table(
    {
        "month": pa.array([0, 31, 59], pa.int32()).cast(pa.date32()),
        "status": pa.array(["a", "b", "a"]).dictionary_encode(),
        "people": [1.0, 2.0, 3.0],
    }
)


def finished(root: Path) -> Path:
    with RunFolder(root, RUN) as folder:
        folder.add_table("stocks.parquet", TABLE)
        folder.add_text("config.yaml", "label: 在留\n")
        folder.add_bytes("figures/map.png", b"\x89PNG")
        folder.finish({"seed": np.int64(7), "z": np.float64(0.5)})
    return root / RUN


def files_in(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_a_finished_run_is_complete_and_verifies(tmp_path):
    folder = finished(tmp_path)
    assert is_complete(folder)
    assert verify(folder) == []
    assert files_in(folder) == {
        "manifest.json", "config.yaml", "stocks.parquet", "figures/map.png",
    }  # fmt: skip
    read = read_manifest(folder)
    assert read["seed"] == 7
    assert read["files"]["stocks.parquet"]["rows"] == 3
    assert read_parquet(folder / "stocks.parquet").equals(TABLE)
    assert [row[0] for row in listing(folder)] == sorted(read["files"])


def test_the_same_table_gives_the_same_bytes(tmp_path):
    one, two = finished(tmp_path / "one"), finished(tmp_path / "two")
    assert (one / "stocks.parquet").read_bytes() == (two / "stocks.parquet").read_bytes()
    assert (one / "manifest.json").read_bytes() == (two / "manifest.json").read_bytes()


def test_pages_carry_checksums(tmp_path):
    path = finished(tmp_path) / "stocks.parquet"
    column = pq.ParquetFile(path).metadata.row_group(0).column(2)
    content = bytearray(path.read_bytes())
    content[column.data_page_offset + column.total_compressed_size - 1] ^= 1
    path.write_bytes(content)
    with pytest.raises(OutputError, match=r"cannot read .*stocks\.parquet"):
        read_parquet(path)


@pytest.mark.parametrize(
    "name", ["manifest.json", "config.yaml", "stocks.parquet", "figures/map.png"]
)
def test_one_flipped_bit_in_any_file_is_noticed(tmp_path, name):
    folder = finished(tmp_path)
    intact = (folder / name).read_bytes()
    for place in np.linspace(0, len(intact) - 1, 40).astype(int):
        content = bytearray(intact)
        content[place] ^= 1 << (place % 8)
        (folder / name).write_bytes(content)
        assert len(verify(folder)) == 1, f"byte {place} of {name}"


def test_missing_extra_and_cut_files_are_noticed(tmp_path):
    folder = finished(tmp_path)
    (folder / "config.yaml").unlink()
    (folder / "stray.txt").write_text("x")
    os.truncate(folder / "figures/map.png", 2)
    assert verify(folder) == [
        "config.yaml is missing",
        "figures/map.png has 2 bytes, not 4",
        "stray.txt is not in the manifest",
    ]
    assert not is_complete(folder)
    (folder / "manifest.json").unlink()
    assert verify(folder) == ["manifest.json is missing: the run did not finish"]


def test_a_run_without_its_manifest_is_not_complete(tmp_path):
    with RunFolder(tmp_path, RUN) as folder:
        folder.add_text("config.yaml", "a: 1\n")
    assert not is_complete(folder.path)
    assert read_manifest(folder.path) is None


def test_writing_again_takes_the_manifest_away_first(tmp_path):
    finished(tmp_path)
    with RunFolder(tmp_path, RUN) as folder:
        assert is_complete(folder.path)  # nothing has been touched yet
        folder.add_text("config.yaml", "a: 2\n")
        assert not is_complete(folder.path)


def test_a_folder_where_nothing_was_written_goes_away(tmp_path):
    with RunFolder(tmp_path / "deep" / "runs", RUN):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_broken_invariant_sets_the_outputs_aside(tmp_path):
    with pytest.raises(InvariantError), RunFolder(tmp_path, RUN) as folder:
        folder.add_table("stocks.parquet", TABLE)
        folder.add_bytes("figures/map.png", b"x")
        raise InvariantError("the ledger does not close")
    assert files_in(folder.path) == {"stocks.parquet.failed", "figures/map.png.failed"}
    assert verify(finished(tmp_path)) == []  # the next attempt clears them


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (OSError(28, "No space left on device"), OutputError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_a_failed_write_keeps_the_old_file_and_leaves_no_litter(tmp_path, error, shown):
    path = tmp_path / "config.yaml"
    path.write_text("old")

    def half(stream: IO[bytes]) -> None:
        stream.write(b"ne")
        raise error

    with pytest.raises(shown):
        write_atomically(path, half)
    assert path.read_text() == "old"
    assert files_in(tmp_path) == {"config.yaml"}


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x", "/x", "a/b/c", ".hidden", "a b", "a\n", "-a", "é", "x" * 81, "a//b"],
)
def test_names_that_could_escape_are_refused(tmp_path, name):
    with RunFolder(tmp_path, RUN) as folder, pytest.raises(OutputError, match="cannot be named"):
        folder.add_text(name, "x")


@pytest.mark.parametrize("run_id", ["", "../../etc", "0123456789ABCDEF", "0123456789abcde"])
def test_a_run_id_is_sixteen_hexadecimal_digits(tmp_path, run_id):
    with pytest.raises(ValueError, match="16 hexadecimal digits"):
        RunFolder(tmp_path, run_id)


def test_symbolic_links_are_refused(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    root = tmp_path / "runs"
    with RunFolder(root, RUN) as folder:
        (folder.path / "config.yaml").symlink_to(outside / "stolen")
        (folder.path / "figures").symlink_to(outside)
        for name in ("config.yaml", "figures/map.png"):
            with pytest.raises(OutputError, match="symbolic link"):
                folder.add_text(name, "x")
    (root / ("f" * 16)).symlink_to(outside)
    with pytest.raises(OutputError, match="symbolic link"), RunFolder(root, "f" * 16):
        pass
    assert list(outside.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="cannot make the folder"):
        RunFolder(tmp_path / "file", RUN).__enter__()


def test_a_folder_of_two_writers_is_refused(tmp_path):
    with RunFolder(tmp_path, RUN):
        with pytest.raises(OutputError, match=f"process {os.getpid()} on"):
            RunFolder(tmp_path, RUN).__enter__()
        assert (tmp_path / RUN / lock.LOCK).exists()
    assert not (tmp_path / RUN).exists()


def dead_process() -> int:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return child


@pytest.mark.parametrize(
    ("change", "age", "taken"),
    [
        ({}, 0, False),  # a living process of this machine
        ({"pid": "dead"}, 0, True),
        ({"boot": "before the restart"}, 0, True),
        ({"started": "1"}, 0, True),  # its number is that of another process now
        ({"host": "another", "pid": "dead"}, 9999, False),  # it cannot be asked
        (None, 0, False),  # just made, not filled yet
        (None, 9999, True),
    ],
)
def test_stale_locks_are_taken_over(tmp_path, change, age, taken):
    owner = {"boot": lock._boot_id(), "host": socket.gethostname(), "pid": os.getpid()}
    owner |= change or {}
    if owner["pid"] == "dead":
        owner["pid"] = dead_process()
    path = tmp_path / RUN / lock.LOCK
    path.parent.mkdir()
    path.write_text(json.dumps(owner) if change is not None else "")
    os.utime(path, (time.time() - age,) * 2)
    if taken:
        with RunFolder(tmp_path, RUN):
            assert json.loads(path.read_text())["pid"] == os.getpid()
    else:
        with pytest.raises(OutputError, match="is being written"):
            RunFolder(tmp_path, RUN).__enter__()


@contextmanager
def forked(work: Callable[[], int]) -> Iterator[int]:
    """A copy of this process that does `work` and exits with what it returns."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            code = work()
        finally:
            os._exit(code)
    yield child


def test_killed_at_any_moment_the_file_is_whole(tmp_path):
    size = 300_000

    def rewrite_for_ever() -> int:
        with RunFolder(tmp_path, RUN) as folder:
            for turn in range(10**6):
                folder.add_bytes("table.bin", bytes([turn % 256]) * size)
        return 0

    seen = 0
    for attempt in range(12):
        with forked(rewrite_for_ever) as child:
            time.sleep(0.004 * (attempt + 1))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        path = tmp_path / RUN / "table.bin"
        if path.exists():
            content = path.read_bytes()
            assert len(content) == size
            assert len(set(content)) == 1
            seen += 1
    assert seen > 0
    finished(tmp_path)  # takes the lock over and sweeps the temporary files
    litter = [name for name in files_in(tmp_path / RUN) if ".tmp." in name or name == lock.LOCK]
    assert litter == []


def test_a_full_disk_never_destroys_a_good_file(tmp_path):
    rng = np.random.default_rng(0)
    big = pa.table({"x": rng.random(200_000)})
    with RunFolder(tmp_path, RUN) as folder:
        path = folder.add_table("table.parquet", TABLE)

        def write_past_the_limit() -> int:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
            try:
                folder.add_table("table.parquet", big)
            except OutputError as error:
                return 3 if "cannot write" in str(error) else 1
            return 0

        with forked(write_past_the_limit) as child:
            _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 3
    assert read_parquet(path).equals(TABLE)
    assert files_in(tmp_path / RUN) == {"table.parquet"}


def test_the_run_id_changes_with_everything_it_depends_on():
    base = ("a: 1", "data", "code", 0, 0)
    ids = {manifest.run_id(*base)}
    for position, other in enumerate(("a: 2", "DATA", "CODE", 1, 1)):
        ids.add(manifest.run_id(*base[:position], other, *base[position + 1 :]))
    assert len(ids) == 6
    assert all(len(i) == 16 and set(i) <= set("0123456789abcdef") for i in ids)
    assert manifest.run_id(*base) == "a6a42f0b94a94af0"  # as sha256sum says


def test_the_code_digest_sees_every_module(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.py").write_text("x = 1\n")
    before = numba_cache_module.source_digest(tmp_path)
    (tmp_path / "notes.txt").write_text("not code")
    assert numba_cache_module.source_digest(tmp_path) == before
    (tmp_path / "deep" / "a.py").write_text("x = 2\n")
    changed = numba_cache_module.source_digest(tmp_path)
    (tmp_path / "deep" / "a.py").rename(tmp_path / "deep" / "b.py")
    assert len({before, changed, numba_cache_module.source_digest(tmp_path)}) == 3


def test_the_environment_goes_into_a_manifest(tmp_path):
    environment = manifest.environment()
    assert environment["packages"]["numba"]
    with RunFolder(tmp_path, RUN) as folder:
        folder.add_text("a.txt", "a")
        folder.finish({"environment": environment})
    assert read_manifest(tmp_path / RUN)["environment"] == environment


def test_a_folder_inside_another_never_makes_that_one(tmp_path):
    gone = tmp_path / "taken"
    with pytest.raises(OutputError, match="make the folder"), RunFolder(gone, "0" * 16, True):
        pass
    assert not gone.exists()
    with RunFolder(gone, "0" * 16) as folder:
        folder.add_text("a.txt", "a")
    with RunFolder(gone, "1" * 16, True) as folder:
        folder.add_text("a.txt", "a")
    assert sorted(path.name for path in gone.iterdir()) == ["0" * 16, "1" * 16]


def test_git_state_outside_a_checkout_is_none(tmp_path):
    assert manifest.git_state(tmp_path) is None


def test_errors_keep_their_problems_between_processes():
    error = KyoseiError(["one", "two"])
    kind, arguments = error.__reduce__()
    assert kind(*arguments).problems == ["one", "two"]
    assert str(error) == "one\ntwo"
