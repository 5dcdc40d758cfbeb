"""Ctrl-C (SIGINT) and SIGTERM, which must not get lost.

Python raises KeyboardInterrupt wherever it happens to be. Inside a callback of a C library (the
compiler's cache, a drawing) that is printed and forgotten, and the run would go on to its end. So
the signal is remembered here, and ends the run between two months or before the next file. Inside
the body of a class, or under a library's own handlers, it becomes another exception, which is the
signal all the same.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import FrameType
from typing import Final

SIGNALS = (signal.SIGINT, signal.SIGTERM)

_asked = threading.Event()


def _ask(number: int, frame: FrameType | None) -> None:
    _asked.set()
    raise KeyboardInterrupt


@contextmanager
def interruptible() -> Iterator[None]:
    """Both signals unwind as KeyboardInterrupt, so that locks and temporary files go.

    Whatever leaves the block once one was heard leaves it as KeyboardInterrupt.
    A signal that is ignored stays so (`nohup`); other threads cannot listen, and do not.
    """
    _asked.clear()
    before = {}
    if threading.current_thread() is threading.main_thread():
        wanted = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
        before = {number: signal.signal(number, _ask) for number in wanted}
    try:
        yield
    except BaseException as error:
        if _asked.is_set() and not isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt from error
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _asked.clear()


def stop_if_asked() -> None:
    """Raise KeyboardInterrupt if a signal has arrived."""
    if _asked.is_set():
        raise KeyboardInterrupt


LOOK_SECONDS: Final = 1.0

KILLED: Final = 128 + signal.SIGKILL


@cache
def end_with_parent() -> None:
    """From now on this process ends when the one that started it does, even if that was killed.

    A worker whose launcher is gone would wait for work for ever, with all its memory. What it was
    making is made again when the command is typed again.
    """
    threading.Thread(target=_watch, args=(os.getppid(),), daemon=True, name="parent").start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os._exit(KILLED)  # no way out through locks that a dead process may hold
