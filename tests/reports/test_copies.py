"""Full pictures beside the page."""

from pathlib import Path

import pytest

from mix2mix.errors import InputError
from reports.copies import copy_pictures


def test_pictures_are_copied_under_their_own_paths_and_linked(tmp_path: Path) -> None:
    view = tmp_path / "run/cells/ours@k=5+f=1/face/edit/seed-0/view_0.png"
    view.parent.mkdir(parents=True)
    view.write_bytes(b"a picture")
    links = copy_pictures([view, view], tmp_path / "run", tmp_path / "report-images")
    assert links == {view: "report-images/cells/ours%40k%3D5%2Bf%3D1/face/edit/seed-0/view_0.png"}
    assert (tmp_path / "report-images/cells/ours@k=5+f=1/face/edit/seed-0/view_0.png").read_bytes() == b"a picture"


def test_trouble_with_the_disk_is_a_bad_input(tmp_path: Path) -> None:
    view = tmp_path / "run/view_0.png"
    view.parent.mkdir()
    view.write_bytes(b"a picture")
    (tmp_path / "report-images").write_text("a file")
    with pytest.raises(InputError, match="folder that can be written to"):
        copy_pictures([view], tmp_path / "run", tmp_path / "report-images")
