"""The benchmark of the exact test runs; how fast is for `python -m survey.timing` to say."""

import pytest

from survey import timing


def test_a_line_for_each_size(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "REPEATS", 1)
    timing.main()
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines[2:4]] == ["20 scenes, 64-bit sums", "20 scenes, larger sums"]
    assert all("median" in line for line in lines)
