"""A small run of the load test, with a crash in the middle; `python tests/survey/server/load.py` is the large one."""

import subprocess
import sys
from pathlib import Path


def test_a_crash_loses_nothing_that_was_acknowledged() -> None:
    script = Path(__file__).with_name("load.py")
    size = ["--raters", "12", "--tasks", "3", "--pause", "0.02", "0.15", "--kill"]
    ended = subprocess.run([sys.executable, script, *size], capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "ratings: 36 wanted, 36 in the export, 0 doubled" in ended.stdout
