"""`kyosei dashboard`: look at finished folders and try levers, in a browser on this machine."""

from __future__ import annotations

import argparse
import importlib.util
import secrets
import socket
from pathlib import Path
from typing import Any, Final

from sim.core.errors import ConfigError

EXAMPLES: Final = """\
examples:
  kyosei dashboard                  what is below runs/, in the study of this folder
  kyosei dashboard /data/runs       other results
  kyosei dashboard --port 8765 --jobs 2

It prints an address of this machine with a secret in it: open that in a browser. Nobody else can
reach the server, and it asks nobody for anything. What it starts are the commands that it shows,
one at a time unless --jobs says more; they end with it. Ctrl+C ends the dashboard.
"""

HOST: Final = "127.0.0.1"

NEEDED: Final = ("starlette", "uvicorn")


def add_verb(verbs: Any) -> None:
    """Add the verb to argparse's subcommands."""
    verb = verbs.add_parser(
        "dashboard",
        help="look at results and try levers in a browser on this machine",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Serve finished runs and studies, and a form to compare scenarios, to a browser"
        " on this machine.",
    )
    verb.add_argument("folder", type=Path, nargs="?", default=Path("runs"),
                      help="where results are read and written: runs if not given")  # fmt: skip
    verb.add_argument("--port", type=int, default=0, help="any free one if not given")
    verb.add_argument("--jobs", type=int, default=1, help="comparisons at a time: 1 if not given")
    verb.set_defaults(action=_dashboard)


def _dashboard(options: argparse.Namespace) -> int:
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"the dashboard needs {' and '.join(missing)}: pip install 'kyosei[dashboard]'"
        )
    if not 1 <= options.jobs <= 8:
        raise ConfigError(f"--jobs {options.jobs}: from 1 to 8")
    serve(options.folder, options.port, options.jobs)
    return 0


def serve(folder: Path, port: int, at_once: int) -> None:
    """Serve until the process is told to stop. Raises ConfigError if the port is taken or no
    port."""
    import uvicorn

    from sim.dashboard.app import application

    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen()  # a browser that is quicker than the server waits for it
    except (OSError, OverflowError) as error:
        raise ConfigError(f"--port {port}: {error}. Leave it out for any free one.") from error
    number = listening.getsockname()[1]
    token = secrets.token_urlsafe(32)
    app = application(folder, number, token, at_once)
    print(f"Open http://{HOST}:{number}/?token={token}\nCtrl+C ends the dashboard.", flush=True)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
    server.run(sockets=[listening])
