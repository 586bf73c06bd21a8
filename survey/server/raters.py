"""What a rater meets: consent, instructions, tasks, the end."""

import re
import secrets
import time
from dataclasses import dataclass, field
from sqlite3 import Connection

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from survey.server import store
from survey.server.answers import RefusedError, Sent, check_views, read_sent
from survey.server.database import Database
from survey.server.guard import (
    NEWCOMERS,
    SAVES,
    address,
    body_of,
    check_form_token,
    form_of,
    form_token,
    hold,
    new_token,
    session_digest,
    set_cookie,
)
from survey.server.limits import Limiter
from survey.server.pages import page
from survey.study import ImageSet, Study

COOKIE = "rater"
IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""Ids that go into a file of ratings: nothing that a spreadsheet or a shell would take for its own."""

FOREVER = "private, max-age=86400, immutable"


@dataclass(frozen=True)
class Raters:
    """The pages for raters, over a study and its database."""

    study: Study
    database: Database
    newcomers: Limiter = field(default_factory=lambda: Limiter(NEWCOMERS))
    saves: Limiter = field(default_factory=lambda: Limiter(SAVES))

    async def welcome(self, request: Request) -> Response:
        """The consent page; a rater who comes back goes on where they stopped."""
        wanted = self.study.settings.participants
        participant = _identifier(request.query_params.get(wanted.id_parameter, ""))
        session = _identifier(request.query_params.get(wanted.session_parameter, ""))
        rater = await self._rater(request)
        if rater is not None and participant in ("", rater.name):
            return _see("/task")
        if wanted.id_required and not participant:
            return self._message(403, "Please come by the link that you were sent: your participant id is missing.")
        token = request.cookies.get(COOKIE) or new_token()
        response = self._page("consent.html.j2", token, participant=participant, session=session)
        set_cookie(request, response, COOKIE, token, strict=False)
        return response

    async def consent(self, request: Request) -> Response:
        """Take the consent, give a place, and go on to the instructions."""
        fields = await self._checked_form(request)
        hold(self.newcomers, address(request))
        if fields.get("agree") != "yes":
            raise HTTPException(400, "Without your consent there is nothing to do here. Thank you for reading.")
        participant = _identifier(fields.get("participant", ""))
        if self.study.settings.participants.id_required and not participant:
            raise HTTPException(403, "Your participant id is missing.")
        token = new_token()
        visitor = self._visitor(token, participant, _identifier(fields.get("session", "")))
        now = time.time()
        end = await self.database.run(lambda connection: store.begin(connection, self.study, visitor, now))
        if end == "taken":
            return self._message(409, "This participant id has begun already. Go on in the browser where you began.")
        if end == "full":
            return self._message(409, "All places of this study are taken. Thank you for your interest.")
        response = _see("/instructions" if end == "begun" else "/task")
        set_cookie(request, response, COOKIE, token, strict=False)
        return response

    async def instructions(self, request: Request) -> Response:
        """How it is done, with an example."""
        rater = await self._rater(request)
        return _see("/") if rater is None else self._page("instructions.html.j2", _token(request))

    async def task(self, request: Request) -> Response:
        """The task that is next."""
        rater = await self._rater(request)
        if rater is None:
            return _see("/")
        task = await self.database.run(lambda connection: store.current_task(connection, rater.id))
        if task is None:
            return _see("/done")
        views = len(self.study.plan.by_id[task.set_id].images)
        return self._page("task.html.j2", _token(request), task=task, views=views)

    async def image(self, request: Request) -> Response:
        """A view of one of the rater's own tasks."""
        cookie, token, view = _token(request), request.path_params["task"], request.path_params["view"]
        shown = await self.database.run(lambda connection: self._shown(connection, cookie, token))
        if shown is None or view >= len(shown.images):
            raise HTTPException(404)
        data = await run_in_threadpool(self.study.image(shown, view).read_bytes)
        return Response(data, headers={"cache-control": FOREVER}, media_type="image/png")

    async def save(self, request: Request) -> Response:
        """Keep a change; the answer is sent when it is on the disk."""
        return await self._keep(request, submit=False)

    async def submit(self, request: Request) -> Response:
        """Keep the last change of a task and hand it in."""
        return await self._keep(request, submit=True)

    async def done(self, request: Request) -> Response:
        """The completion code, for who has finished."""
        rater = await self._rater(request)
        if rater is None or rater.completion is None:
            return _see("/task")
        back = self.study.settings.completion.return_url.replace("{code}", rater.completion)
        return self._page("done.html.j2", _token(request), code=rater.completion, back=back)

    async def _keep(self, request: Request, *, submit: bool) -> Response:
        cookie = _token(request)
        check_form_token(self.study.secrets.form_key, cookie, request.headers.get("x-form-token", ""))
        hold(self.saves, cookie)
        try:
            sent = read_sent(await body_of(request))
            if submit and not sent.answer.complete:
                raise RefusedError("neither whole pairs nor the word that there is no inconsistency")
            saved = await self.database.run(lambda connection: self._store(connection, cookie, sent, submit=submit))
        except RefusedError as error:
            raise HTTPException(422, f"This was not kept: {error}.") from error
        if saved.end == "unknown":
            raise HTTPException(404)
        if saved.end == "conflict":
            raise HTTPException(409, "This task was changed in another window.")
        return JSONResponse({"revision": saved.revision, "next": "/done" if saved.finished else "/task"})

    def _store(self, connection: Connection, cookie: str, sent: Sent, *, submit: bool) -> store.Saved:
        shown = self._shown(connection, cookie, sent.task)
        if shown is None:
            return store.Saved("unknown")
        check_views(sent.answer, len(shown.images))
        code = (self.study.settings.completion.code or secrets.token_hex(6).upper()) if submit else None
        return store.save(connection, sent, time.time(), code)

    def _shown(self, connection: Connection, cookie: str, task: str) -> ImageSet | None:
        """What that task shows, if it is one of the rater's who holds the cookie."""
        set_id = store.set_of(connection, store.digest_of(cookie), task)
        return None if set_id is None else self.study.plan.by_id[set_id]

    async def _rater(self, request: Request) -> store.Rater | None:
        digest = store.digest_of(_token(request))
        return await self.database.run(lambda connection: store.rater_of(connection, digest))

    def _visitor(self, token: str, participant: str, session: str) -> store.Visitor:
        name = participant or f"anonymous-{secrets.token_hex(6)}"
        kept = session_digest(self.study.secrets.form_key, session) if session else None
        return store.Visitor(store.digest_of(token), name, kept)

    async def _checked_form(self, request: Request) -> dict[str, str]:
        fields = await form_of(request)
        check_form_token(self.study.secrets.form_key, _token(request), fields.get("form_token", ""))
        return fields

    def _page(self, template: str, token: str, **values: object) -> Response:
        proof = form_token(self.study.secrets.form_key, token)
        return page(template, {"settings": self.study.settings, "form_token": proof, **values})

    def _message(self, status: int, text: str) -> Response:
        return page("message.html.j2", {"settings": self.study.settings, "text": text}, status)


def _token(request: Request) -> str:
    return request.cookies.get(COOKIE, "")


def _identifier(text: str) -> str:
    if text and not IDENTIFIER.fullmatch(text):
        raise HTTPException(400, "The link that brought you here is damaged: an id in it is not one.")
    return text


def _see(path: str) -> RedirectResponse:
    return RedirectResponse(path, 303)
