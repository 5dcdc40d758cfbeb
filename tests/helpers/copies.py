"""Copies of a process that has everything imported, to be killed, starved or interrupted.

A fresh `kyosei` takes seconds to start; a copy takes a hundredth of one. The process that is
copied is one of its own, in which no kernel has run: threads do not survive a copy.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

FAR_SECONDS = 600.0  # compiling on a busy machine takes minutes


def start(
    log: Path,
    *commands: Sequence[str],
    most_bytes: int = 0,
    powerless: bool = False,
    tools: Path | None = None,
) -> BaseProcess:
    """Run `kyosei` with each of the commands in turn in a copy; stops at the first that fails.

    most_bytes  largest file that may be written, as on a full disk; 0 = no limit
    powerless   without the right of the superuser to write everywhere
    tools       the only folder in which it finds other programs
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.helpers.warm"])
    arguments = (str(log), [list(words) for words in commands], most_bytes, powerless, tools)
    process = context.Process(target=_commands, args=arguments)
    log.unlink(missing_ok=True)
    process.start()
    while not log.exists() and process.is_alive():
        time.sleep(0.001)
    return process


def _commands(
    log: str, commands: list[list[str]], most_bytes: int, powerless: bool, tools: Path | None
) -> None:
    from sim.cli.main import main

    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored until here
    descriptor = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o666)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    if most_bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
    if tools is not None:
        os.environ["PATH"] = str(tools)
    if powerless and os.geteuid() == 0:
        _give_up_power()
    for words in commands:
        code = main(words)
        if code:
            sys.exit(code)


def _give_up_power() -> None:
    """Give up CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH (Linux): permissions count from now on."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    sets = (ctypes.c_uint32 * 6)()
    assert libc.capget(header, sets) == 0
    for low in range(3):  # effective, permitted, inheritable
        sets[low] &= ~0b110
    assert libc.capset(header, sets) == 0


def finish(process: BaseProcess, seconds: float = FAR_SECONDS) -> int:
    """Its exit code; minus the number of the signal that killed it."""
    process.join(seconds)
    assert process.exitcode is not None, "it hangs"
    return process.exitcode


def signal_when(process: BaseProcess, number: int, when: Callable[[], bool] | float) -> int:
    """Send a signal after some seconds or when something is so; returns the exit code."""
    if callable(when):
        deadline = time.monotonic() + FAR_SECONDS
        while not when() and process.is_alive() and time.monotonic() < deadline:
            time.sleep(0.001)
    else:
        process.join(when)
    if process.pid is not None and process.is_alive():
        os.kill(process.pid, number)
    return finish(process)
