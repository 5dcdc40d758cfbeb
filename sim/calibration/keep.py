"""Rounds of a fit as files of its folder, so that a fit that was stopped goes on from the last."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from sim.outputs import RunFolder, read_parquet


@dataclass(frozen=True)
class FolderKeeper:
    """Keeps rounds below a run's folder. What is found there is listed in its manifest again."""

    folder: RunFolder

    def get(self, name: str) -> dict[str, np.ndarray] | None:
        """The arrays kept under a name; None if there are none."""
        path = self.folder.path / "rounds" / f"{name}.parquet"
        if not path.is_file():
            return None
        rows = read_parquet(path).to_pylist()
        arrays = {r["name"]: np.array(r["values"], np.float64).reshape(r["shape"]) for r in rows}
        self.put(name, arrays)
        return arrays

    def put(self, name: str, arrays: dict[str, np.ndarray]) -> None:
        """Keep float64 arrays under a name."""
        table = pa.table({
            "name": pa.array(list(arrays), pa.string()),
            "shape": pa.array([list(a.shape) for a in arrays.values()], pa.list_(pa.int64())),
            "values": pa.array(
                [a.astype(np.float64).ravel() for a in arrays.values()], pa.list_(pa.float64())
            ),
        })  # fmt: skip
        self.folder.add_table(f"rounds/{name}.parquet", table)
