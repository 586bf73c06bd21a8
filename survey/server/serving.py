"""Running the application: the socket, the server, and what is told at the start."""

import socket
from collections.abc import Callable
from pathlib import Path

import uvicorn

from mix2mix.errors import InputError
from survey.server.app import build_app
from survey.study import read_study

Tell = Callable[[str], None]


def serve(path: Path, host: str, port: int, tell: Tell, *, behind_proxy: bool = False) -> None:
    """Serve a study until interrupted; InputError where the study or the address cannot be used.

    Port 0 takes any that is free. Behind a proxy on this machine, its word on the client's address and on https counts.
    """
    study = read_study(path)
    with _listening(host, port) as listener:
        app = build_app(study)
        url = _url(host, listener)
        tell(f"reads   {path}, {study.data}\nwrites  {study.database}")
        tell(f"raters:   {url}/\noperator: {url}/operator   token: {study.secrets.operator_token}\nCtrl-C stops it.")
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,  # addresses carry participants' ids
            server_header=False,
            proxy_headers=behind_proxy,
            timeout_graceful_shutdown=10,
        )
        uvicorn.Server(config).run(sockets=[listener])


def _listening(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address, family=family, backlog=1024)
    except OSError as error:
        fix = "Choose another --host or --port; --port 0 takes any that is free."
        got = error.strerror or str(error)
        raise InputError(f"address {host}, port {port}", got=got, expected="one to listen on", fix=fix) from error


def _url(host: str, listener: socket.socket) -> str:
    port = listener.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
