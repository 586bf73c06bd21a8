"""An app over a small study, and visitors who keep cookies and send forms; all inside the process, without a socket."""

import asyncio
import html
import itertools
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from survey.server.app import build_app
from survey.study import Study

PAIR = {
    "first": {"view": 0, "x": 0.1, "y": 0.2, "w": 0.3, "h": 0.4},
    "second": {"view": 2, "x": 0.5, "y": 0.5, "w": 0.25, "h": 0.125},
}
ORIGIN = "http://test"


class Visitor:
    """A browser without a screen: one set of cookies."""

    def __init__(self, runner: asyncio.Runner, app: Any, address: str = "127.0.0.1") -> None:
        self.runner = runner
        transport = httpx.ASGITransport(app=app, client=(address, 1), raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url=ORIGIN)
        self.form_token = ""

    def get(self, path: str, **values: Any) -> httpx.Response:
        response = self.runner.run(self.client.get(path, **values))
        found = re.search(r'name="form_token" value="([0-9a-f]+)"|"formToken": "([0-9a-f]+)"', response.text)
        if found:
            self.form_token = found[1] or found[2]
        return response

    def post(self, path: str, **values: Any) -> httpx.Response:
        return self.runner.run(self.client.post(path, **values))

    def begin(self, query: str = "", **fields: str) -> httpx.Response:
        """Come to the study, agree, and stand before the instructions."""
        page = self.get(f"/{query}")
        hidden = dict(re.findall(r'name="(participant|session)" value="(.*?)"', page.text))
        return self.post("/consent", data={"form_token": self.form_token, "agree": "yes", **hidden, **fields})

    def task(self) -> dict[str, Any]:
        """What the task page hands to its script."""
        page = self.get("/task")
        assert page.status_code == 200, page.headers
        found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page.text, re.DOTALL)
        assert found
        data: dict[str, Any] = json.loads(html.unescape(found[1]))
        return data

    def send(self, path: str, task: dict[str, Any], answer: dict[str, Any], **changes: Any) -> httpx.Response:
        body = {"task": task["task"], "revision": task["revision"], "answer": answer, **changes}
        return self.post(path, json=body, headers={"x-form-token": self.form_token})

    def finish(self, pairs: int = 1) -> str:
        """Hand in every task with so many pairs; where the last one leads."""
        while True:
            answer = {"pairs": [PAIR] * pairs, "none": not pairs, "seconds": 2.5}
            after: str = self.send("/submit", self.task(), answer).json()["next"]
            if after != "/task":
                return after


@pytest.fixture
def open_study() -> Iterator[Callable[[Study], Callable[..., Visitor]]]:
    """Opens a study; gives what makes visitors of it."""
    with asyncio.Runner() as runner:
        opened = []

        def open_(study: Study) -> Callable[..., Visitor]:
            app = build_app(study)
            lifespan = app.router.lifespan_context(app)
            runner.run(lifespan.__aenter__())
            opened.append(lifespan)
            return lambda address="127.0.0.1": Visitor(runner, app, address)

        yield open_
        for lifespan in opened:
            runner.run(lifespan.__aexit__(None, None, None))


@pytest.fixture
def study(make_study: Any) -> Study:
    """Two raters a set, three tasks each, no checks: four places."""
    made: Study = make_study()
    return made


@pytest.fixture
def visit(open_study: Any, study: Study) -> Callable[..., Visitor]:
    """Makes visitors of that study."""
    visitors: Callable[..., Visitor] = open_study(study)
    return visitors


@pytest.fixture
def pair() -> dict[str, Any]:
    """A pair of rectangles as the browser sends it."""
    copy: dict[str, Any] = json.loads(json.dumps(PAIR))
    return copy


class Server:
    """A server in a process of its own, on a port of its own; ended by force, as by a crash, or kindly."""

    def __init__(self, study: Path) -> None:
        command = "import sys; from pathlib import Path; from survey.server.serving import serve; "
        command += "serve(Path(sys.argv[1]), '127.0.0.1', int(sys.argv[2]), lambda text: print(text, flush=True))"
        self.command = [sys.executable, "-c", command, str(study)]
        self.start(port=0)

    def start(self, port: int) -> None:
        self.process = subprocess.Popen([*self.command, str(port)], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        told = "".join(itertools.takewhile(lambda line: not line.startswith("Ctrl-C"), self.process.stdout))
        self.url = re.findall(r"raters: +(http://127\.0\.0\.1:\d+)/", told)[0]

    def kill(self) -> None:
        self._end(self.process.kill)

    def stop(self) -> None:
        self._end(self.process.terminate)

    def restart(self) -> None:
        self.start(port=int(self.url.rpartition(":")[2]))

    def _end(self, end: Callable[[], None]) -> None:
        end()
        self.process.wait(timeout=30)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def serve() -> Iterator[Callable[[Study], Server]]:
    """Serves a study from a process of its own."""
    servers: list[Server] = []

    def start(study: Study) -> Server:
        servers.append(Server(study.path))
        return servers[-1]

    yield start
    for server in servers:
        if server.process.poll() is None:
            server.stop()


@pytest.fixture(scope="module")
def site(large_study: Study) -> Iterator[Server]:
    """A server that all tests of a module share, with places for all of them."""
    server = Server(large_study.path)
    yield server
    server.stop()
