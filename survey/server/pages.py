"""Pages from templates, and the few files that they use; all read once, from the package."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

ENVIRONMENT = Environment(
    loader=PackageLoader("survey.server"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

MEDIA = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class Asset:
    """A file that pages use: its bytes, type and tag."""

    data: bytes
    media: str
    tag: str


def page(template: str, values: Mapping[str, object], status: int = 200) -> HTMLResponse:
    """A page; every value is escaped."""
    return HTMLResponse(ENVIRONMENT.get_template(template).render(values), status)


def _assets() -> Mapping[str, Asset]:
    found = {}
    for item in files("survey.server").joinpath("static").iterdir():
        suffix = item.name[item.name.rfind(".") :]
        if suffix in MEDIA:
            data = item.read_bytes()
            found[item.name] = Asset(data, MEDIA[suffix], f'"{hashlib.sha256(data).hexdigest()[:32]}"')
    return found


ASSETS = _assets()


async def asset(request: Request) -> Response:
    """A file by its name, from those read at the start: no name leads anywhere else."""
    found = ASSETS.get(request.path_params["name"])
    if found is None:
        raise HTTPException(404, "There is no such page.")
    headers = {"etag": found.tag, "cache-control": "no-cache"}
    if request.headers.get("if-none-match") == found.tag:
        return Response(status_code=304, headers=headers)
    return Response(found.data, headers=headers, media_type=found.media)
