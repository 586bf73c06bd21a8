"""What requests and answers go through: limits on size and rate, tokens of forms, headers that bind the browser."""

import hashlib
import hmac
import secrets
from urllib.parse import parse_qsl

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from survey.server.limits import Limiter, Rate

MAX_BODY = 64 * 1024
MAX_FIELDS = 20
COOKIE_DAYS = 30

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "x-robots-tag": "noindex, nofollow",
}

EVERYTHING = Rate(burst=3000, per_second=500)
"""Of one address: a whole class behind one router may arrive at once."""

NEWCOMERS = Rate(burst=400, per_second=2)
SAVES = Rate(burst=60, per_second=10)
SIGN_INS = Rate(burst=10, per_second=0.2)


class Guard:
    """Puts the headers on every answer, and turns away an address that asks too fast."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._limiter = Limiter(EVERYTHING)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 429."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        client = scope.get("client")
        allowed = self._limiter.allows(client[0] if client else "")
        app = self._app if allowed else Response("Too many requests.", 429, {"retry-after": "5"})
        await app(scope, receive, send_with_headers)


def address(request: Request) -> str:
    """The address that asks."""
    return request.client.host if request.client else ""


def hold(limiter: Limiter, key: str) -> None:
    """Count a request; 429 where the key asks too fast."""
    if not limiter.allows(key):
        raise HTTPException(429, "This goes too fast. Wait a moment and try again.", {"retry-after": "5"})


async def body_of(request: Request) -> bytes:
    """The body of a request; 413 where it is too large, before it is all read."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY:
            raise HTTPException(413, "That is too much at once.")
    return body


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form; 400 where it is none."""
    try:
        fields = parse_qsl((await body_of(request)).decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise HTTPException(400, "That form cannot be read.") from error
    return dict(fields)


def new_token() -> str:
    """A token of 256 random bits."""
    return secrets.token_urlsafe(32)


def form_token(key: str, cookie: str) -> str:
    """What a form must bring that belongs to this cookie: another site can send the cookie, but not know this."""
    return hmac.new(bytes.fromhex(key), f"form {cookie}".encode(), hashlib.sha256).hexdigest()


def session_digest(key: str, session: str) -> str:
    """What is kept of a session's id: enough to know it again, and not to tell it."""
    return hmac.new(bytes.fromhex(key), f"session {session}".encode(), hashlib.sha256).hexdigest()


def check_form_token(key: str, cookie: str, given: str) -> None:
    """403 where a form does not come from a page of ours."""
    if not cookie or not hmac.compare_digest(form_token(key, cookie).encode(), given.encode()):
        raise HTTPException(403, "This page is out of date. Go back, reload it, and try again.")


def set_cookie(request: Request, response: Response, name: str, value: str, *, strict: bool, path: str = "/") -> None:
    """A cookie that scripts cannot read and other sites cannot send along; over https alone where we are on it."""
    response.set_cookie(
        name,
        value,
        max_age=COOKIE_DAYS * 86400,
        path=path,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict" if strict else "lax",
    )
