"""A stand-in for Slurm: `sbatch`, `srun` and `sacct` that run a job's array on this machine.

It reads the options that matter from the script it is given, so that a test can see what would
have been asked of a cluster, and refuses an option that Slurm does not have.
"""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

KNOWN = {
    "array", "cpus-per-task", "error", "job-name", "mem", "nodes", "ntasks-per-node", "open-mode",
    "output", "partition", "qos", "account", "signal", "time", "wckey",
}  # fmt: skip


def install(folder: Path) -> None:
    """Put the three commands into a folder, to stand first on the PATH."""
    for name in ("sbatch", "srun", "sacct"):
        path = folder / name
        path.write_text(f'#!/bin/sh\nexec {sys.executable} {Path(__file__)} {name} "$@"\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)


def sbatch(arguments: list[str]) -> None:
    """Read the script's options and start its tasks in the background, as many as it says."""
    script = Path(arguments[-1])
    options = dict(re.findall(r"^#SBATCH --([a-z-]+)=?(.*)$", script.read_text(), re.MULTILINE))
    unknown = set(options) - KNOWN
    if unknown:
        raise SystemExit(f"sbatch: unrecognized option {unknown}")
    asked = Path(os.environ["FAKE_SLURM"])
    asked.write_text(json.dumps(options))
    tasks, _, most = options.get("array", "0-0%1").partition("%")
    first, last = map(int, tasks.split("-"))
    command = [sys.executable, __file__, "array", str(script), str(first), str(last), most]
    subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    print("Submitted batch job 4711")


def array(script: str, first: str, last: str, most: str) -> None:
    waiting = list(range(int(first), int(last) + 1))
    running: list[subprocess.Popen[bytes]] = []
    while waiting or running:
        running = [task for task in running if task.poll() is None]
        while waiting and len(running) < int(most):
            number = waiting.pop(0)
            own = {"SLURM_JOB_ID": f"{4711 + number}", "SLURM_ARRAY_JOB_ID": "4711",
                   "SLURM_ARRAY_TASK_ID": str(number), "SLURM_JOB_NODELIST": "node1",
                   "SLURM_NODEID": "0", "SLURM_PROCID": "0", "SLURM_LOCALID": "0",
                   "SLURM_NTASKS": "1", "SLURM_JOB_NUM_NODES": "1"}  # fmt: skip
            running.append(subprocess.Popen(["/bin/sh", script], env={**os.environ, **own}))
        for task in running[:1]:
            task.wait()


def srun(arguments: list[str]) -> None:
    """What follows the options is the command."""
    i = 0
    while arguments[i].startswith("-"):
        i += 2 if arguments[i] in ("--output", "--error") else 1
    os.execvp(arguments[i], arguments[i:])


def main() -> None:
    name, *arguments = sys.argv[1:]
    if name == "sbatch":
        sbatch(arguments)
    elif name == "array":
        array(*arguments)
    elif name == "srun":
        srun(arguments)
    else:
        print("JobID|State|NodeList")


if __name__ == "__main__":
    main()
