"""The server's process: where it listens, what it tells, how it stops and comes back."""

import socket
from typing import Any

import httpx
import pytest

from mix2mix.errors import InputError
from survey.server.serving import serve as serve_here
from survey.study import Study


def test_a_rater_goes_on_after_a_crash(serve: Any, study: Study) -> None:
    server = serve(study)
    with httpx.Client(base_url=server.url) as rater:
        page = rater.get("/?PROLIFIC_PID=anna").text
        token = page.partition('name="form_token" value="')[2].partition('"')[0]
        fields = {"form_token": token, "agree": "yes", "participant": "anna"}
        assert rater.post("/consent", data=fields).status_code == 303
        before = rater.get("/task").text
        server.kill()
        server.restart()
        assert rater.get("/task").text == before


def test_an_address_that_is_taken_is_bad_input(study: Study) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(InputError, match="--port 0 takes any that is free"):
            serve_here(study.path, "127.0.0.1", taken.getsockname()[1], print)


def test_an_address_of_another_machine_is_bad_input(study: Study) -> None:
    with pytest.raises(InputError, match="one to listen on"):
        serve_here(study.path, "192.0.2.1", 0, print)


def test_it_listens_on_this_machine_alone(serve: Any, study: Study) -> None:
    server = serve(study)
    assert server.url.startswith("http://127.0.0.1:")
    port = int(server.url.rpartition(":")[2])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port), timeout=2).close()


def test_it_is_not_told_which_server_it_is(serve: Any, study: Study) -> None:
    assert "server" not in httpx.get(serve(study).url).headers
