"""Who may ask the server for anything: the browser that was opened with the printed address."""

from __future__ import annotations

import hmac
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE: Final = ("GET", "HEAD")

HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """Lets requests through that name this host, come from its own pages and carry the secret.

    The printed address holds the secret once; it becomes a cookie that no script can read and that
    no other site's page can send. A page of another site that knows the port can therefore neither
    read nor start anything, and neither can another name that leads to this machine.
    """

    def __init__(self, app: ASGIApp, port: int, token: str) -> None:
        self._app = app
        self._hosts = tuple(f"{name}:{port}" for name in ("127.0.0.1", "localhost"))
        self._cookie = f"kyosei_{port}"  # cookies do not tell ports apart
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(Request(scope))
        if refusal is not None:
            await refusal(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                known = Headers(raw=message["headers"])
                message["headers"] += [
                    (name.lower().encode(), value.encode())
                    for name, value in HEADERS.items()
                    if name not in known
                ]
            await send(message)

        await self._app(scope, receive, with_headers)

    def _refusal(self, request: Request) -> Response | None:
        """What is answered in place of the page; None for who may see it."""
        if request.headers.get("host") not in self._hosts:
            return PlainTextResponse("This server answers to its own address only.", 400)
        origin = request.headers.get("origin")
        own = tuple(f"http://{host}" for host in self._hosts)
        if (origin is not None or request.method not in SAFE) and origin not in own:
            return PlainTextResponse("Only the dashboard's own pages may ask for this.", 403)
        given = request.query_params.get("token")
        if given is not None and request.method == "GET" and self._is_ours(given):
            answer = RedirectResponse("/", 303, HEADERS)
            answer.set_cookie(self._cookie, self._token, httponly=True, samesite="strict")
            return answer
        if not self._is_ours(request.cookies.get(self._cookie, "")):
            return PlainTextResponse(
                "Open the address that kyosei dashboard printed: it holds the secret.", 403
            )
        return None

    def _is_ours(self, secret: str) -> bool:
        return hmac.compare_digest(secret.encode(), self._token.encode())
