"""One sweep through every launcher: the same tables, byte for byte.

    python -m experiments.sweeps.launchers --folder /tmp/launchers [--ray PYTHON]

--ray names a Python that has kyosei[ray] installed; the sweep then also runs on a Ray cluster of
two nodes, started here and stopped by the ids of their processes. Ray listens on every interface,
so as root all of it happens in a network of its own, with nothing but the loopback.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
RATE = "status.student.monthly.leave.rate"
PORT = 6399
APART = "KYOSEI_IN_A_NETWORK_OF_ITS_OWN"
LAUNCHERS = {
    "basic": [],
    "joblib": ["hydra.launcher.n_jobs=2", "sweep.runs_per_job=1"],
    "submitit_local": ["hydra.sweeper.max_batch_size=2", "sweep.runs_per_job=2"],
    "ray": [f"hydra.launcher.ray.init.address=127.0.0.1:{PORT}", "sweep.runs_per_job=1"],
}


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "RAY_AUTH_MODE": "token",
            "RAY_USAGE_STATS_ENABLED": "0"}  # fmt: skip


def sweep(launcher: str, folder: Path, words: Sequence[str], python: str = sys.executable) -> float:
    """Seconds that the sweep takes."""
    began = time.perf_counter()
    command = [python, "-m", "sim.cli", "run", "-m", *words, f"hydra/launcher={launcher}",
               *LAUNCHERS[launcher], f"output={folder}"]  # fmt: skip
    subprocess.run(command, check=True, env=environment(), stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def digest(folder: Path) -> str:
    """SHA-256 of all collected tables."""
    command = [sys.executable, "-m", "sim.cli", "collect", str(folder)]
    subprocess.run(command, check=True, env=environment(), stdout=subprocess.DEVNULL)
    total = hashlib.sha256()
    for path in sorted((folder / "collected").iterdir()):
        total.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


@contextmanager
def ray_cluster(python: str, logs: Path) -> Iterator[None]:
    """Two Ray nodes of one processor each on this machine."""
    ray = str(Path(python).parent / "ray")
    common = [ray, "start", "--block", "--node-ip-address=127.0.0.1", "--num-cpus=1",
              "--object-store-memory=80000000"]  # fmt: skip
    nodes: list[subprocess.Popen[bytes]] = []
    try:
        for name, own in (
            ("head", ["--head", f"--port={PORT}", "--include-dashboard=false"]),
            ("second", [f"--address=127.0.0.1:{PORT}"]),
        ):
            with open(logs / f"ray-{name}.log", "wb") as log:
                nodes.append(
                    subprocess.Popen(
                        [*common, *own],
                        env=environment(),
                        stdout=log,
                        stderr=log,
                        start_new_session=True,
                    )
                )
            _await_nodes(python, len(nodes))
        yield
    finally:
        for node in reversed(nodes):
            _stop(node)


def _await_nodes(python: str, count: int) -> None:
    code = (
        f"import ray; ray.init(address='127.0.0.1:{PORT}', log_to_driver=False);"
        f"raise SystemExit(sum(n['Alive'] for n in ray.nodes()) != {count})"
    )
    for _ in range(20):
        time.sleep(2)
        command = [python, "-c", code]
        done = subprocess.run(command, env=environment(), capture_output=True, check=False)
        if done.returncode == 0:
            return
    raise SystemExit(f"Ray did not start {count} nodes")


def _stop(node: subprocess.Popen[bytes]) -> None:
    """Politely first; then what is left of its process group."""
    node.terminate()
    try:
        node.wait(20)
    except subprocess.TimeoutExpired:
        node.kill()
    time.sleep(2)
    try:
        os.killpg(node.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def apart() -> None:
    """Start again in a network with nothing but the loopback, where that is allowed."""
    if os.environ.get(APART) or os.geteuid() != 0 or not shutil.which("unshare"):
        return
    os.environ[APART] = "1"
    inside = 'ip link set lo up && exec "$@"'
    ours = [sys.executable, "-m", "experiments.sweeps.launchers", *sys.argv[1:]]
    os.execvp("unshare", ["unshare", "--net", "sh", "-c", inside, "sh", *ours])


def compare(folder: Path, words: Sequence[str], ray: str | None) -> dict[str, tuple[float, str]]:
    """(seconds, digest of the tables) by launcher."""
    found = {}
    folder.mkdir(parents=True, exist_ok=True)
    for launcher in [name for name in LAUNCHERS if name != "ray"]:
        seconds = sweep(launcher, folder / launcher, words)
        found[launcher] = (seconds, digest(folder / launcher))
    if ray is not None:
        with ray_cluster(ray, folder):
            seconds = sweep("ray", folder / "ray", words, ray)
        found["ray"] = (seconds, digest(folder / "ray"))
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, default=Path("/tmp/kyosei-launchers"))
    parser.add_argument("--ray", metavar="PYTHON", help="a Python with kyosei[ray]")
    parser.add_argument("--seeds", type=int, default=6)
    options = parser.parse_args()
    if options.ray:
        apart()
    shutil.rmtree(options.folder, ignore_errors=True)
    words = ["scale=0.01", "end=2027-06", f"seed=range(0,{options.seeds})", f"{RATE}=0.05,0.5"]
    found = compare(options.folder, words, options.ray)
    for launcher, (seconds, name) in found.items():
        print(f"{launcher:16} {2 * options.seeds} runs {seconds:6.1f} s  tables {name[:16]}")
    print("equal to the byte" if len({name for _, name in found.values()}) == 1 else "NOT EQUAL")


if __name__ == "__main__":
    main()
