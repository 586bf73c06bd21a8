"""Runs a method that lives in an environment of its own: a command that is handed a folder and leaves views in it.

    scene/transforms.json   NeRF-style, OpenGL poses, as `load_scene` reads it, with its pictures view_0.png, ...
    edit.json               instruction, prompts, guidance, seed and device
    views/view_0.png, ...   what the command is to leave: one picture for each of the scene's, of the same size

What it prints is kept: the end of it in the result's notes, or in the error's message.
"""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from baselines.api import EditRequest, EditResult
from baselines.external_spec import ExternalMethod
from mix2mix.cameras import from_opengl
from mix2mix.scene import Scene

LOG_LINES = 20
"""Lines of the command's output that are kept, from its end."""


class ExternalError(RuntimeError):
    """The command did not start, failed, took too long or left no good views; the end of its log is told."""


class External:
    """The method of a description, see `baselines.external_spec`."""

    def __init__(self, method: ExternalMethod) -> None:
        self.method = method

    def edit(self, request: EditRequest) -> EditResult:
        """Write the request, run the command, read its views; ExternalError tells what went wrong."""
        with TemporaryDirectory(prefix="mix2mix-") as name:
            folder = Path(name)
            write_request(request, folder)
            start = time.perf_counter()
            log = run_command(self.method, folder)
            seconds = time.perf_counter() - start
            views = read_views(self.method.spec.id, folder, request.scene.images)
        request.progress("edit", 1, 1)
        return EditResult(views, {"edit": seconds}, {}, {"log": log})


def write_request(request: EditRequest, folder: Path) -> None:
    """Lay out what the command reads, and the empty folder for its views."""
    (folder / "scene").mkdir()
    (folder / "views").mkdir()
    _write_json(folder / "scene" / "transforms.json", {"frames": _frames(request.scene)})
    for index, image in enumerate(request.scene.images):
        pixels = (image.detach().cpu().clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
        Image.fromarray(pixels).save(folder / "scene" / f"view_{index}.png")
    _write_json(folder / "edit.json", {**asdict(request.edit), "seed": request.seed, "device": request.device})


def run_command(method: ExternalMethod, folder: Path) -> str:
    """Run it to its end and return the end of its log."""
    command = [part.replace("{folder}", str(folder)) for part in method.command]
    log, name = folder / "log.txt", method.spec.id
    with log.open("wb") as sink:
        try:
            process = subprocess.Popen(
                command, cwd=method.home, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True
            )
        except OSError as error:
            raise ExternalError(f"{name} did not start: {error.strerror}: {method.command[0]}") from None
        try:
            status = process.wait(method.timeout)
        except subprocess.TimeoutExpired:
            raise ExternalError(_with_log(f"{name} was stopped after {method.timeout:g} s", folder)) from None
        finally:
            _end(process)
    if status:
        raise ExternalError(_with_log(f"{name} ended with status {status}", folder))
    return _tail(folder)


def read_views(name: str, folder: Path, originals: Tensor) -> Tensor:
    """The views [N, 3, H, W] in [0, 1] that it left for the originals of that shape."""
    files = [folder / "views" / f"view_{index}.png" for index in range(len(originals))]
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        left = len(files) - len(missing)
        what = f"{name} left {left} of {len(files)} views, without {', '.join(missing)}"
        raise ExternalError(_with_log(what, folder))
    return torch.stack([_read_view(name, file, (originals.shape[-1], originals.shape[-2])) for file in files])


def _read_view(name: str, file: Path, size: tuple[int, int]) -> Tensor:
    try:
        with Image.open(file) as image:
            pixels = np.array(image.convert("RGB"))
    except OSError:
        raise ExternalError(f"{name} left {file.name}, which is no whole picture") from None
    if pixels.shape[:2] != size[::-1]:
        got = f"{pixels.shape[1]} x {pixels.shape[0]}"
        raise ExternalError(f"{name} left {file.name} of {got} pixels, expected {size[0]} x {size[1]}")
    return torch.from_numpy(pixels).permute(2, 0, 1).float() / 255


def _frames(scene: Scene) -> list[dict[str, object]]:
    height, width = scene.images.shape[-2:]
    poses = from_opengl(scene.cameras.c2w).cpu()  # back to OpenGL: the change is its own inverse
    frames: list[dict[str, object]] = []
    for index, (K, pose) in enumerate(zip(scene.cameras.K.cpu(), poses, strict=True)):
        focal = {"fl_x": float(K[0, 0]) * width, "fl_y": float(K[1, 1]) * height}
        centre = {"cx": float(K[0, 2]) * width, "cy": float(K[1, 2]) * height, "w": width, "h": height}
        frames.append({"file_path": f"view_{index}.png", **focal, **centre, "transform_matrix": pose.tolist()})
    return frames


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Kill what still runs, with the processes that it started."""
    if process.poll() is not None:
        return
    if sys.platform == "win32":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _with_log(what: str, folder: Path) -> str:
    tail = _tail(folder)
    return f"{what}: {tail.splitlines()[-1]}\nThe end of its log:\n{tail}" if tail else f"{what}; it printed nothing"


def _tail(folder: Path) -> str:
    """The last lines of the log, with the temporary folder's name taken out."""
    text = (folder / "log.txt").read_text(encoding="utf-8", errors="replace").replace(str(folder), "{folder}")
    return "\n".join(text.splitlines()[-LOG_LINES:])[-4000:]
