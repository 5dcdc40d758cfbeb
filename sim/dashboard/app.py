"""The server's routes. Each answers with JSON or a page; all words go through Kyosei's checks."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from sim import __version__
from sim.core.errors import ConfigError, KyoseiError, printable
from sim.dashboard import library
from sim.dashboard.draft import NAME, Draft, check, command_of, save, typed
from sim.dashboard.guard import Guard
from sim.dashboard.jobs import Full, Jobs
from sim.pages.page import built

LARGEST_BODY: Final = 100_000

LANGUAGES: Final = ("en", "ja", "ko")

_SHELL: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Kyosei dashboard</title>
<link rel="stylesheet" href="/static/dashboard.css">
</head>
<body>
<div id="page"><p>Reading what is there.</p><noscript>This page needs JavaScript.</noscript></div>
<script type="module" src="/static/dashboard.js"></script>
</body>
</html>
"""

_STATIC: Final = {"dashboard.js": "text/javascript", "dashboard.css": "text/css"}


class _Named(BaseModel):
    """A draft and the name that it shall have as a file."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=NAME)
    draft: Draft


def application(folder: Path, port: int, token: str, at_once: int = 1) -> Starlette:
    """The application that serves a folder of results."""
    dashboard = _Dashboard(folder, Jobs(Path.cwd(), at_once))

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        dashboard.jobs.close()

    routes = [
        Route("/", dashboard.shell),
        Route("/static/{name}", dashboard.static),
        Route("/report", dashboard.report),
        Route("/api/start", dashboard.start),
        Route("/api/runs", dashboard.runs),
        Route("/api/levers", dashboard.levers),
        Route("/api/differences", dashboard.differences),
        Route("/api/check", dashboard.check, methods=["POST"]),
        Route("/api/jobs", dashboard.queue),
        Route("/api/jobs", dashboard.begin, methods=["POST"]),
        Route("/api/jobs/{number:int}/cancel", dashboard.cancel, methods=["POST"]),
        Route("/api/scenarios", dashboard.save, methods=["POST"]),
    ]
    guard = Middleware(Guard, port=port, token=token)
    return Starlette(routes=routes, middleware=[guard], lifespan=lifespan)


class _Dashboard:
    """The answers. What composes settings does so one at a time: its caches belong to a process."""

    def __init__(self, folder: Path, jobs: Jobs) -> None:
        self._folder = folder
        self.jobs = jobs
        self._composing = threading.Lock()

    async def shell(self, _: Request) -> Response:
        """The page; the content policy lets its own script and sheet alone run."""
        try:
            styles = json.loads(built("styles.json"))
            built("dashboard.js")
        except ConfigError as error:
            return PlainTextResponse(str(error), 503)
        sheets = " ".join(f"'{each}'" for each in styles)
        policy = (
            f"default-src 'none'; script-src 'self'; style-src 'self' {sheets};"
            " img-src data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none';"
            " frame-ancestors 'none'"
        )
        return HTMLResponse(_SHELL, headers={"Content-Security-Policy": policy})

    async def static(self, request: Request) -> Response:
        """A built file: these two and no other name."""
        name = request.path_params["name"]
        if name not in _STATIC:
            return PlainTextResponse("Not found.", 404)
        return Response(built(name), media_type=_STATIC[name])

    async def report(self, request: Request) -> Response:
        """The page of `kyosei report` of one folder, or of several runs."""
        numbers = request.query_params.getlist("run")
        language = request.query_params.get("lang", "en")
        language = language if language in LANGUAGES else "en"
        try:
            text = await self._told(lambda: library.report_of(self._folder, numbers, language))
        except KyoseiError as error:
            return PlainTextResponse(printable(str(error)), 422)
        return HTMLResponse(text)

    async def start(self, _: Request) -> Response:
        return await self._json(lambda: {**library.start_of(self._folder), "version": __version__})

    async def runs(self, _: Request) -> Response:
        return await self._json(lambda: library.runs_below(self._folder))

    async def levers(self, request: Request) -> Response:
        return await self._json(lambda: library.levers_of(_base(request)))

    async def differences(self, request: Request) -> Response:
        number = request.query_params.get("run", "")
        return await self._json(lambda: library.differences_of(self._folder, number))

    async def check(self, request: Request) -> Response:
        """The command of a draft, how long it takes, or every problem."""
        draft = await _read(request, Draft)
        if isinstance(draft, Response):
            return draft
        return await self._json(lambda: {"takes": check(draft), "command": self._shown(draft)})

    async def queue(self, _: Request) -> Response:
        return JSONResponse([job.told(_typed(job.words)) for job in self.jobs])

    async def begin(self, request: Request) -> Response:
        """Start a comparison of a draft with its base, or let it wait."""
        draft = await _read(request, Draft)
        if isinstance(draft, Response):
            return draft

        def begun() -> Any:
            check(draft)
            try:
                job = self.jobs.add(draft.title, command_of(draft, self._folder))
            except Full as full:
                raise ConfigError("so many wait already: cancel some, or let them end") from full
            return {"number": job.number}

        return await self._json(begun, 201)

    async def cancel(self, request: Request) -> Response:
        known = await run_in_threadpool(self.jobs.cancel, request.path_params["number"])
        return JSONResponse({"cancelled": known}, 200 if known else 404)

    async def save(self, request: Request) -> Response:
        """Keep a draft as a scenario of the study."""
        named = await _read(request, _Named)
        if isinstance(named, Response):
            return named
        return await self._json(lambda: {"file": str(save(named.draft, named.name))}, 201)

    def _shown(self, draft: Draft) -> str:
        return _typed(command_of(draft, self._folder))

    async def _told(self, make: Callable[[], Any]) -> Any:
        def alone() -> Any:
            with self._composing:
                return make()

        return await run_in_threadpool(alone)

    async def _json(self, make: Callable[[], Any], status: int = 200) -> Response:
        """What is made, or the problems that Kyosei's own checks name."""
        try:
            return JSONResponse(await self._told(make), status)
        except KyoseiError as error:
            return _problems([printable(problem) for problem in error.problems])


def _typed(words: list[str]) -> str:
    return f"kyosei {typed(words)}"


def _base(request: Request) -> str:
    return request.query_params.get("base", "")


def _problems(problems: list[str]) -> Response:
    return JSONResponse({"problems": problems}, 422)


async def _read(request: Request, kind: type[Any]) -> Any:
    """The body as a model, or the answer that says what is wrong with it."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY:
            return PlainTextResponse("Too large.", 413)
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        return _problems(
            [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
        )
