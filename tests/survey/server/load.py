"""Many raters at once against a real server on this machine, and what is left of their answers.

    python tests/survey/server/load.py                 200 raters, 5 tasks each
    python tests/survey/server/load.py --kill          the same, and the server is killed in the middle

Raters behave as the page does: they fetch page and pictures, save every change after a pause, send a change again until
it is acknowledged, and hand in. Exit status 1 where a rating is lost, doubled or another than was sent, or where a save
takes longer than the bar at the 99th percentile (told, but not judged, in a run with a crash).
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

from survey.assignment import Design
from survey.creation import create_study
from survey.ratings import Rating
from survey.server.records import ratings_of, saved_raters
from survey.sources import read_source
from survey.study import Study

METHODS = ("a", "b")
EDITS = 5
BAR_MS = 250.0
COMMAND = (
    "import sys; from pathlib import Path; from survey.server.serving import serve; "
    "serve(Path(sys.argv[1]), '127.0.0.1', int(sys.argv[2]), lambda text: print(text, flush=True))"
)

Boxes = list[tuple[float, ...]]


@dataclass
class Log:
    """What the raters saw: seconds of every acknowledged save, and what was acknowledged as handed in, by rater."""

    seconds: list[float] = field(default_factory=list)
    handed_in: dict[str, list[Boxes]] = field(default_factory=dict)
    sent_again: int = 0
    finished: int = 0

    @property
    def ratings(self) -> int:
        """How many ratings were acknowledged."""
        return sum(map(len, self.handed_in.values()))


@dataclass
class Server:
    """The server's process; it keeps its port when it is started again."""

    study: Study
    port: int = 0

    def start(self) -> None:
        """Start it and wait until it listens."""
        command = [sys.executable, "-c", COMMAND, str(self.study.path), str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if found := re.search(r"raters: +http://127\.0\.0\.1:(\d+)/", line):
                self.port = int(found[1])
                return
        raise RuntimeError("the server did not start")

    def kill(self) -> None:
        """End it without a warning, as a crash does."""
        self.process.kill()
        self.process.wait()


@dataclass
class Rater:
    """One rater at a server."""

    name: str
    client: httpx.AsyncClient
    pauses: tuple[float, float]
    log: Log

    def __post_init__(self) -> None:
        self.generator = random.Random(self.name)

    async def take_part(self) -> None:
        """From consent to completion code."""
        await asyncio.sleep(self.generator.uniform(0, self.pauses[1]))
        page = await self.ask("GET", f"/?PROLIFIC_PID={self.name}&SESSION_ID={self.name}")
        form = dict(re.findall(r'name="(\w+)" value="(.*?)"', page.text))
        await self.ask("POST", "/consent", data=form | {"agree": "yes"})
        while (page := await self.ask("GET", "/task")).status_code == 200:
            found = re.search(r'id="data">(.*?)</script>', page.text, re.DOTALL)
            assert found, page.text
            await self.do(json.loads(unescape(found[1])))
        page = await self.ask("GET", "/done")
        self.log.finished += 'id="code"' in page.text

    async def do(self, task: dict[str, Any]) -> None:
        """One task: look, draw up to three pairs, save after each change, hand in."""
        for view in range(4):
            await self.ask("GET", f"/image/{task['task']}/{view}")
        pairs: list[dict[str, Any]] = []
        for _ in range(self.generator.randint(0, 3)):
            pairs.append({"first": box(self.generator, 0), "second": None})
            await self.send("/save", task, pairs)
            pairs[-1]["second"] = box(self.generator, self.generator.randint(1, 3))
            await self.send("/save", task, pairs)
        await self.send("/submit", task, pairs)
        marked = [sides(pair[part]) for pair in pairs for part in ("first", "second")]
        self.log.handed_in.setdefault(self.name, []).append(marked)

    async def send(self, path: str, task: dict[str, Any], pairs: list[dict[str, Any]]) -> None:
        """Pause, send a change until it is acknowledged, and note how long that took."""
        await asyncio.sleep(self.generator.uniform(*self.pauses))
        answer = {"pairs": pairs, "none": not pairs, "seconds": 1.0}
        body = {"task": task["task"], "revision": task["revision"], "answer": answer}
        start = time.perf_counter()
        reply = await self.ask("POST", path, json=body, headers={"x-form-token": task["formToken"]})
        self.log.seconds.append(time.perf_counter() - start)
        task["revision"] = reply.json()["revision"]

    async def ask(self, method: str, path: str, **values: Any) -> httpx.Response:
        """Ask until there is an answer; any but a good one is an error of the server."""
        while True:
            try:
                reply = await self.client.request(method, path, **values)
            except httpx.TransportError:
                self.log.sent_again += 1
                await asyncio.sleep(0.5)
                continue
            if reply.status_code >= 400:
                raise RuntimeError(f"{method} {path}: {reply.status_code} {reply.text}")
            return reply


def box(generator: random.Random, view: int) -> dict[str, Any]:
    """Any rectangle on that view."""
    x, y = (round(generator.uniform(0, 0.5), 4) for _ in range(2))
    return {"view": view, "x": x, "y": y, "w": 0.3, "h": 0.25}


def sides(found: dict[str, Any]) -> tuple[float, ...]:
    """A rectangle to be compared."""
    return tuple(found[key] for key in ("view", "x", "y", "w", "h"))


async def watch(server: Server) -> None:
    """The operator, whose page asks again every five seconds."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", verify=False) as client:
        client.cookies.set("operator", server.study.secrets.operator_token)
        while True:
            with contextlib.suppress(httpx.TransportError):
                (await client.get("/operator/status")).raise_for_status()
            await asyncio.sleep(5)


async def crash(server: Server, log: Log) -> list[str]:
    """Kill the server, look at what is on the disk, start it again; raters who lost something."""
    server.kill()
    acknowledged = {name: list(tasks) for name, tasks in log.handed_in.items()}
    kept = list(ratings_of(saved_raters(server.study)))
    lost = missing(acknowledged, kept)

    print(
        f"killed: {log.ratings} ratings acknowledged by then, {len(kept)} on the disk; raters with losses: {len(lost)}"
    )
    await asyncio.to_thread(server.start)
    return lost


def missing(acknowledged: dict[str, list[Boxes]], ratings: list[Rating]) -> list[str]:
    """Raters of whom something acknowledged is not in the export as it was sent."""
    kept: dict[str, list[Boxes]] = {}
    for rating in ratings:
        boxes = [box for pair in rating.pairs or () for box in (pair.first, pair.second)]
        kept.setdefault(rating.rater_id, []).append([(box.view, box.x, box.y, box.w, box.h) for box in boxes])
    return [name for name, tasks in acknowledged.items() if any(task not in kept.get(name, []) for task in tasks)]


def make_study(folder: Path, raters: int, tasks: int) -> Study:
    """A study with a place for every rater; pictures of 512 pixels, as compressible as edited photos."""
    generator = np.random.default_rng(0)
    for method in METHODS:
        for edit in range(EDITS):
            views = folder / "views" / method / "scene" / f"edit-{edit}"
            views.mkdir(parents=True)
            for view in range(4):
                smooth = Image.fromarray(generator.integers(0, 256, (128, 128, 3), dtype=np.uint8)).resize((512, 512))
                smooth.save(views / f"view_{view}.png")
    per_set = -(-raters * tasks // (EDITS * len(METHODS)))
    design = Design(METHODS, per_set, tasks, attention=0, repeats=0, seed=0)
    return create_study(read_source(folder / "views", METHODS), design, folder / "study.toml", "Load", print)


async def run(server: Server, arguments: argparse.Namespace) -> tuple[Log, list[str]]:
    """All raters at once, and the crash among them."""
    log = Log()
    url, lost = f"http://127.0.0.1:{server.port}", []
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=30, verify=False))
            for _ in range(arguments.raters)
        ]
        raters = [Rater(f"load-{n:04d}", client, tuple(arguments.pause), log) for n, client in enumerate(clients)]
        operator = asyncio.create_task(watch(server))
        parts = asyncio.gather(*(rater.take_part() for rater in raters))
        if arguments.kill:
            while not parts.done() and log.ratings < arguments.raters * arguments.tasks // 2:
                await asyncio.sleep(0.01)
            lost = await crash(server, log)
        await parts
        if not operator.cancel():
            operator.result()  # why it ended
    return log, lost


def verdict(server: Server, arguments: argparse.Namespace, log: Log, lost: list[str]) -> bool:
    """Tell what was found; whether it is as it should be."""
    ratings = list(ratings_of(saved_raters(server.study)))
    wanted = arguments.raters * arguments.tasks
    distinct = len({(rating.rater_id, rating.set_id) for rating in ratings})
    lost = lost + missing(log.handed_in, ratings)
    milliseconds = 1000 * np.array(log.seconds)
    median, high, most = np.percentile(milliseconds, (50, 99, 100))
    print(f"raters: {arguments.raters}, with a completion code: {log.finished}; sent again: {log.sent_again}")
    print(f"ratings: {wanted} wanted, {len(ratings)} in the export, {len(ratings) - distinct} doubled")
    print(f"raters with losses: {len(lost)}")
    print(f"saves: {len(milliseconds)}; median {median:.1f} ms, 99th percentile {high:.1f} ms, longest {most:.1f} ms")
    print(f"machine: {os.cpu_count()} cores; load average {os.getloadavg()[0]:.1f}")
    whole = len(ratings) == distinct == wanted and log.finished == arguments.raters and not lost
    return whole and (arguments.kill or bool(high <= BAR_MS))


def main() -> int:
    """Run it; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--raters", type=int, default=200)
    parser.add_argument("--tasks", type=int, default=5, help=f"(default: 5, at most {2 * EDITS})")
    parser.add_argument("--pause", type=float, nargs=2, default=(0.5, 3.0), metavar=("FROM", "TO"), help="seconds")
    parser.add_argument("--kill", action="store_true", help="kill the server in the middle and start it again")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(make_study(Path(folder), arguments.raters, arguments.tasks))
        server.start()
        start = time.perf_counter()
        try:
            log, lost = asyncio.run(run(server, arguments))
        finally:
            server.kill()
        print(f"took {time.perf_counter() - start:.0f} s")
        well = verdict(server, arguments, log, lost)
    print("as it should be" if well else "NOT as it should be")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
