"""A Slurm of one node on this machine, for as long as a `with` lasts.

Needs `slurmctld`, `slurmd` and `munged` (Debian: apt install slurmctld slurmd munge) and the
superuser. Everything that it writes lies in one folder, and its three processes are stopped by
their own ids. It listens on every interface, so start it in a network with nothing but the loopback
(`unshare --net`); see experiments.sweeps.launchers.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue")
PARTITION = "here"
SECONDS = 60.0


def missing() -> list[str]:
    """Programs of Slurm that are not installed."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


def configuration(folder: Path, cores: int, memory_mb: int) -> str:
    """slurm.conf of a cluster that is this machine."""
    name = socket.gethostname().partition(".")[0]
    return f"""\
ClusterName=kyosei
SlurmctldHost={name}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldPort=6817
SlurmdPort=6818
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
SchedulerParameters=sched_interval=2
NodeName={name} NodeAddr=127.0.0.1 CPUs={cores} RealMemory={memory_mb} State=UNKNOWN
PartitionName={PARTITION} Nodes={name} Default=YES MaxTime=INFINITE State=UP
"""


@contextmanager
def cluster(folder: Path, cores: int, memory_mb: int) -> Iterator[dict[str, str]]:
    """Start it; yields what the environment of its users must say. Raises SystemExit."""
    if missing():
        raise SystemExit(f"Slurm is not installed: {', '.join(missing())} not found")
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    key = folder / "munge.key"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o400)
    conf = folder / "slurm.conf"
    conf.write_text(configuration(folder, cores, memory_mb))
    environment = {"SLURM_CONF": str(conf)}
    munged = ["munged", "--foreground", "--force", f"--key-file={key}",
              f"--socket={folder}/munge.socket", f"--pid-file={folder}/munged.pid",
              f"--log-file={folder}/munged.log", f"--seed-file={folder}/munged.seed"]  # fmt: skip
    commands = {"munged": munged, "slurmctld": ["slurmctld", "-D"], "slurmd": ["slurmd", "-D"]}
    running: list[subprocess.Popen[bytes]] = []
    try:
        for name, command in commands.items():
            with open(folder / f"{name}.out", "wb") as log:
                running.append(
                    subprocess.Popen(
                        command, env={**os.environ, **environment}, stdout=log, stderr=log
                    )
                )
            _await_program(name, folder, {**os.environ, **environment})
        yield environment
    finally:
        for process in reversed(running):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def _await_program(name: str, folder: Path, environment: dict[str, str]) -> None:
    """Until it answers. Raises SystemExit with the end of its log."""
    questions = {
        "munged": f"test -S {folder}/munge.socket",
        "slurmctld": "scontrol ping | grep -q UP",
        "slurmd": "test \"$(sinfo --noheader --format=%T)\" = idle",
    }  # fmt: skip
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        done = subprocess.run(["sh", "-c", questions[name]], env=environment, check=False,
                              capture_output=True)  # fmt: skip
        if done.returncode == 0:
            return
        time.sleep(0.5)
    tail = (folder / f"{name}.out").read_text(errors="replace")[-2000:]
    raise SystemExit(f"{name} did not start within {SECONDS:.0f} s:\n{tail}")
