"""One sweep through every launcher: the same tables, byte for byte.

    python -m experiments.sweeps.launchers --folder /tmp/launchers [--slurm] [--ray PYTHON]

--slurm     also on a Slurm of one node (Debian: apt install slurmctld slurmd munge; as root)
--ray       also on a Ray cluster of two nodes; names a Python that has kyosei[ray] installed

Both are started here and stopped by the ids of their processes. They listen on every interface, so
as root all of it happens in a network of its own, with nothing but the loopback.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from experiments.sweeps import slurm

ROOT = Path(__file__).resolve().parent.parent.parent
RATE = "status.student.monthly.leave.rate"
PORT = 6399
APART = "KYOSEI_IN_A_NETWORK_OF_ITS_OWN"
LAUNCHERS = {
    "basic": [],
    "joblib": ["hydra.launcher.n_jobs=2"],
    "submitit_local": ["hydra.sweeper.max_batch_size=2"],
    "submitit_slurm": [f"hydra.launcher.partition={slurm.PARTITION}",
                       "hydra.launcher.timeout_min=30", "hydra.launcher.cpus_per_task=1",
                       "hydra.launcher.array_parallelism=2"],
    "ray": [f"hydra.launcher.ray.init.address=127.0.0.1:{PORT}"],
}  # fmt: skip
JOBS = 8
"""Jobs that a sweep is dealt out in: most launchers start a process for each."""
TOKEN = os.environ.get("RAY_AUTH_TOKEN") or secrets.token_hex(32)
SLURM_MEMORY_MB = 8000
HERE = ("basic", "joblib", "submitit_local")


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": TOKEN, "RAY_USAGE_STATS_ENABLED": "0"}  # fmt: skip


def sweep(
    launcher: str, folder: Path, words: Sequence[str], python: str = sys.executable,
    more: Mapping[str, str] = MappingProxyType({}),
) -> float:  # fmt: skip
    """Seconds that the sweep takes; `more` is added to its environment."""
    began = time.perf_counter()
    command = [python, "-m", "sim.cli.main", "run", "-m", *words, f"hydra/launcher={launcher}",
               *LAUNCHERS[launcher], f"output={folder}"]  # fmt: skip
    own = {**environment(), **more}
    subprocess.run(command, check=True, env=own, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def digest(folder: Path) -> str:
    """SHA-256 of all collected tables."""
    command = [sys.executable, "-m", "sim.cli.main", "collect", str(folder)]
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
    # Slurm asks for addresses of the kind that the machine has, and the loopback does not count.
    inside = 'ip link set lo up && ip addr add 192.0.2.1/32 dev lo && exec "$@"'
    ours = [sys.executable, "-m", "experiments.sweeps.launchers", *sys.argv[1:]]
    os.execvp("unshare", ["unshare", "--net", "sh", "-c", inside, "sh", *ours])


def compare(
    folder: Path, words: Sequence[str], with_slurm: bool = False, ray: str | None = None
) -> dict[str, tuple[float, str]]:
    """(seconds, digest of the tables) by launcher."""
    found = {}
    folder.mkdir(parents=True, exist_ok=True)

    def make(
        launcher: str, python: str = sys.executable, more: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        seconds = sweep(launcher, folder / launcher, words, python, more)
        found[launcher] = (seconds, digest(folder / launcher))

    for launcher in HERE:
        make(launcher)
    if with_slurm:
        with slurm.cluster(folder / "slurm", 2, SLURM_MEMORY_MB) as more:
            make("submitit_slurm", more=more)
    if ray is not None:
        with ray_cluster(ray, folder):
            make("ray", ray)
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, default=Path("/tmp/kyosei-launchers"))
    parser.add_argument("--slurm", action="store_true", help="on a Slurm of one node, too")
    parser.add_argument("--ray", metavar="PYTHON", help="a Python with kyosei[ray]")
    parser.add_argument("--scale", default="0.01")
    parser.add_argument("--end", default="2027-06")
    parser.add_argument("--seeds", type=int, default=6)
    options = parser.parse_args()
    if options.ray or options.slurm:
        apart()
    shutil.rmtree(options.folder, ignore_errors=True)
    words = [f"scale={options.scale}", f"end={options.end}", f"seed=range(0,{options.seeds})",
             f"{RATE}=0.05,0.5", f"sweep.runs_per_job={-(-2 * options.seeds // JOBS)}"]  # fmt: skip
    found = compare(options.folder, words, options.slurm, options.ray)
    for launcher, (seconds, name) in found.items():
        print(f"{launcher:16} {2 * options.seeds} runs {seconds:6.1f} s  tables {name[:16]}")
    print("equal to the byte" if len({name for _, name in found.values()}) == 1 else "NOT EQUAL")


if __name__ == "__main__":
    main()
