"""External methods: a command gets the scene and the edit and leaves views; what goes wrong is told with its log."""

import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from baselines.api import EditRequest, MethodSpec
from baselines.external import External, ExternalError, write_request
from baselines.external_spec import ExternalMethod
from baselines.registry import load_method
from mix2mix.edit import Edit
from mix2mix.mini.world import held_out_scene
from mix2mix.scene import load_scene

EXAMPLES = Path(__file__).parents[2] / "docs" / "external"
EDIT = Edit("Turn him into a vampire", "a man", "a vampire", 7.5, 1.5)
COPY = """
import shutil, sys
for name in NAMES:
    shutil.copy(f"{sys.argv[1]}/scene/view_0.png", f"{sys.argv[1]}/views/{name}")
"""


@pytest.fixture(scope="module")
def request_of_two():
    """Two views of the bear; an external method needs no bundle."""
    told = []
    return EditRequest(held_out_scene("bear", 2), EDIT, None, 3, "cpu", lambda *call: told.append(call))


def external(script, timeout=30.0, command=None):
    spec = MethodSpec("theirs", "Theirs", None, (), "their code", "baselines.external:External")
    words = command or (sys.executable, "-c", script, "{folder}")
    return External(ExternalMethod(spec, words, Path.cwd(), timeout))


def failure(request, script, **options):
    with pytest.raises(ExternalError) as caught:
        external(script, **options).edit(request)
    return str(caught.value)


def test_the_example_of_the_docs_makes_negatives(request_of_two, monkeypatch):
    monkeypatch.setenv("MIX2MIX_METHODS", str(EXAMPLES))
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    result = load_method("negative").edit(request_of_two)
    torch.testing.assert_close(result.views, 1 - request_of_two.scene.images, atol=0.51 / 255, rtol=0)
    assert result.notes == {"log": "asked to: Turn him into a vampire (seed 3, on cpu)"}
    assert result.timings["edit"] > 0


def test_the_folder_holds_the_scene_as_it_is_read_and_the_edit(request_of_two, tmp_path):
    write_request(request_of_two, tmp_path)
    scene, original = load_scene(tmp_path / "scene", size=128), request_of_two.scene
    torch.testing.assert_close(scene.images, original.images, atol=0.51 / 255, rtol=0)
    torch.testing.assert_close(scene.cameras.K, original.cameras.K)
    torch.testing.assert_close(scene.cameras.c2w, original.cameras.c2w)
    assert json.loads((tmp_path / "edit.json").read_text()) == {**asdict(EDIT), "seed": 3, "device": "cpu"}
    assert list((tmp_path / "views").iterdir()) == []


def test_one_that_fails_is_told_with_its_status_and_the_end_of_its_log(request_of_two):
    told = failure(
        request_of_two, "import sys; print('\\n'.join(map(str, range(99)))); sys.exit('no weights in ' + sys.argv[1])"
    )
    first, *log = told.splitlines()
    assert first == "theirs ended with status 1: no weights in {folder}"
    assert log[:2] == ["The end of its log:", "80"]
    assert log[-1] == "no weights in {folder}"


def test_one_that_is_killed_by_a_signal_failed(request_of_two):
    assert (
        failure(request_of_two, "import os; os.kill(os.getpid(), 9)")
        == "theirs ended with status -9; it printed nothing"
    )


def test_one_that_hangs_is_stopped_with_all_that_it_started(request_of_two, tmp_path):
    pid = tmp_path / "pid"
    script = f"""
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path({str(pid)!r}).write_text(str(child.pid))
print("waiting", flush=True)
time.sleep(600)
"""
    start = time.monotonic()
    told = failure(request_of_two, script, timeout=2.0)
    assert told.splitlines() == ["theirs was stopped after 2 s: waiting", "The end of its log:", "waiting"]
    assert time.monotonic() - start < 30
    assert ended(int(pid.read_text()))


def ended(pid):
    """Whether the process is gone, or only waits to be collected."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def test_one_that_leaves_too_few_views_is_told_which(request_of_two):
    told = failure(request_of_two, "NAMES = ['view_0.png']" + COPY)
    assert told == "theirs left 1 of 2 views, without view_1.png; it printed nothing"


def test_a_view_that_is_no_picture_is_told(request_of_two):
    script = "NAMES = ['view_0.png']" + COPY + "open(f'{sys.argv[1]}/views/view_1.png', 'w').write('x')"
    assert failure(request_of_two, script) == "theirs left view_1.png, which is no whole picture"


def test_a_view_of_another_size_is_told(request_of_two):
    script = """
import sys
from PIL import Image
for i in range(2):
    Image.new("RGB", (64, 32)).save(f"{sys.argv[1]}/views/view_{i}.png")
"""
    assert failure(request_of_two, script) == "theirs left view_0.png of 64 x 32 pixels, expected 128 x 128"


def test_a_command_that_is_not_there_is_told(request_of_two):
    told = failure(request_of_two, "", command=("no-such-command",))
    assert told == "theirs did not start: No such file or directory: no-such-command"


def test_the_benchmark_files_it_as_a_failed_cell_with_the_log(request_of_two):
    from benchmark.execution import execute

    method = external("import sys; sys.exit('no weights')")
    outcome = execute(lambda: method, request_of_two, warm_up=None)
    assert outcome.status == "failed"
    assert outcome.reason == "ExternalError: theirs ended with status 1: no weights"
    assert "The end of its log:\nno weights" in outcome.traceback
