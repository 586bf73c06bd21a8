"""The application: which address leads where, and what a mistake looks like."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from survey.server.database import Database
from survey.server.guard import HEADERS, Guard
from survey.server.operator import PATH, Operator
from survey.server.pages import asset, page
from survey.server.raters import Raters
from survey.server.store import prepare
from survey.study import Study


def build_app(study: Study) -> Starlette:
    """The application of one study; InputError where its database cannot be used."""
    prepare(study)
    database = Database(study.database)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        database.close()

    async def failure(request: Request, error: Exception) -> Response:
        return _failure(study, request, error)

    return Starlette(
        routes=_routes(Raters(study, database), Operator(study)),
        middleware=[Middleware(Guard)],
        exception_handlers={HTTPException: failure, 500: failure},
        lifespan=lifespan,
    )


def _routes(raters: Raters, operator: Operator) -> list[Route]:
    return [
        Route("/", raters.welcome),
        Route("/consent", raters.consent, methods=["POST"]),
        Route("/instructions", raters.instructions),
        Route("/task", raters.task),
        Route("/image/{task}/{view:int}", raters.image),
        Route("/save", raters.save, methods=["POST"]),
        Route("/submit", raters.submit, methods=["POST"]),
        Route("/done", raters.done),
        Route(PATH, operator.show),
        Route(PATH, operator.sign_in, methods=["POST"]),
        Route(f"{PATH}/status", operator.status),
        Route("/static/{name}", asset),
    ]


def _failure(study: Study, request: Request, error: Exception) -> Response:
    """One sentence, as a page or for the script; nothing of what went on inside."""
    status, text, headers = 500, "Something went wrong here. Reload the page; what was saved is safe.", None
    if isinstance(error, HTTPException):
        status, headers = error.status_code, error.headers
        text = "There is no such page." if status == 404 else error.detail
    if request.url.path in ("/save", "/submit"):
        return JSONResponse({"error": text}, status, headers=dict(headers or {}))
    response = page("message.html.j2", {"settings": study.settings, "text": text}, status)
    response.headers.update({**HEADERS, **(headers or {})})  # a failure inside is answered outside of the guard
    return response
