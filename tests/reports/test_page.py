"""The page: whole in one file, safe to open, readable by everyone, and honest about what did not work."""

import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from benchmark import store
from benchmark.error_maps import encode_map, map_name
from mix2mix.errors import InputError
from reports.page import write_report
from survey.ratings import Rating, write_ratings

MakeRun = Callable[..., Path]
Attributes = dict[str, str | None]
VOID = {"meta", "img", "br", "input"}


class Page(HTMLParser):
    """The elements of a page, and its text; complains about a tag that is not closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, Attributes]] = []
        self.text = ""
        self.script = ""
        self.open: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.text += " "

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.script += data
        elif self.open and self.open[-1] != "style":
            self.text += data

    def all(self, tag: str) -> list[Attributes]:
        return [attributes for name, attributes in self.elements if name == tag]

    def values(self, attribute: str) -> list[str]:
        return [found for _, attributes in self.elements if (found := attributes.get(attribute))]


def page_of(run: Path, ratings: Path | None = None, images: bool = False) -> Page:
    return Page(write_report(run, run / "report.html", ratings, images).read_text(encoding="utf-8"))


def words_of(page: Page) -> str:
    return " ".join(page.text.split())


def test_the_page_is_written_whole(make_run: MakeRun, tmp_path: Path) -> None:
    output = write_report(make_run(), tmp_path / "made" / "report.html")
    assert output.read_text(encoding="utf-8").endswith("</html>")


def test_nothing_is_loaded_from_elsewhere(make_run: MakeRun) -> None:
    html = write_report(make_run(), make_run() / "report.html").read_text(encoding="utf-8")
    page = Page(html)
    assert all(source.startswith("data:image/webp;base64,") for source in page.values("src"))
    assert all(link.startswith("#") for link in page.values("href"))
    assert page.all("link") == []
    assert html.count("url(") == html.count("url(#")
    assert "default-src 'none'" in html


def test_only_the_pages_own_script_may_run(make_run: MakeRun) -> None:
    page = page_of(make_run())
    (policy,) = (meta["content"] for meta in page.all("meta") if "http-equiv" in meta)
    digest = b64encode(sha256(page.script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in (policy or "")
    assert page.all("script") == [{}]
    assert [name for _, attributes in page.elements for name in attributes if name.startswith("on")] == []


def test_the_page_is_made_without_torch(make_run: MakeRun) -> None:
    code = (
        "import sys; from pathlib import Path; from reports.page import write_report;"
        "write_report(Path(sys.argv[1]), Path(sys.argv[1]) / 'report.html'); sys.exit('torch' in sys.modules)"
    )
    root = Path(store.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code, make_run()], check=False, cwd=root).returncode == 0


def test_the_answer_comes_first(make_scored_run: MakeRun) -> None:
    text = words_of(page_of(make_scored_run({"ours": (0.2, 0.1, 5.0), "theirs": (0.5, 0.2, 70.0)})))
    order = ("Ours gives the most", "Scores Means over", "Runtime Only", "Gallery Give him", "Provenance This command")
    assert [text.index(part) for part in order] == sorted(text.index(part) for part in order)


def test_every_view_of_every_cell_is_shown_under_its_original(make_run: MakeRun) -> None:
    alts = [image["alt"] for image in page_of(make_run()).all("img")]
    assert len(alts) == 2 * (2 + 2 * 2)  # edits x (originals + methods x views)
    assert alts[1:3] == ["Original view 2 of face", "View 1, Give him a venetian mask, by Ours"]


def test_maps_are_shown_and_can_be_chosen_only_where_there_are_some(
    make_run: MakeRun, add_cell: Callable[..., Path]
) -> None:
    run = make_run()
    assert "error" not in page_of(run).values("value")
    cell = add_cell(run, "ours", "give-him-a-venetian-mask", maps=True)
    (cell / map_name(1)).write_bytes(encode_map(np.zeros((4, 4))))  # a whole picture, but not the one that was saved
    page = page_of(run)
    assert "error" in page.values("value")
    assert "The map is missing or damaged" in page.text  # the second view's
    assert "Pictures that are missing or damaged: 1." in page.text
    assert "seed-0/reprojection_1.png damaged: missing or changed" in words_of(page)
    assert "Map of reprojection errors. View 1, Give him a venetian mask, by Ours" in page.values("alt")


def test_the_papers_tables_and_the_validity_of_scores_have_sections(make_scored_run: MakeRun) -> None:
    text = words_of(page_of(make_scored_run({"t2vz": (0.2, 0.1, 5.0), "i-mix2mix": (0.5, 0.2, 70.0)})))
    assert "Table 1: methods" in text
    assert "Do the scores tell the truth?" in text


def test_a_survey_is_shown_where_ratings_are_given(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run()
    with (tmp_path / "ratings.csv").open("w", encoding="utf-8", newline="") as stream:
        methods = ("ours", "theirs")
        write_ratings(stream, [Rating(m, "face", "Give him a venetian mask", m, "anna", n_pairs=1) for m in methods])
    assert "2 ratings by 1 rater of 1 edit." in words_of(page_of(run, tmp_path / "ratings.csv"))
    assert "#survey" not in page_of(run).values("href")


def test_full_pictures_are_beside_the_page_where_they_are_asked_for(make_run: MakeRun) -> None:
    run = make_run()
    page = page_of(run, images=True)
    links = [link for link in page.values("href") if not link.startswith("#")]
    assert len(links) == 2 * (2 + 2 * 2)
    assert all((run / link).is_file() for link in links)


def test_text_from_files_is_escaped(make_run: MakeRun, add_cell: Callable[..., Path]) -> None:
    run = make_run(command="<script>alert(1)</script>", name="<i>run</i>", purpose="</style><b>")
    add_cell(run, "ours", "turn-him-into-a-knight", status="failed", reason="<b>bold</b>", traceback="<img src=x>")
    page = page_of(run)
    assert len(page.all("script")) == 1
    assert page.all("b") == page.all("i")[2:] == []  # two are of the scales
    assert "<b>bold</b>" in page.text
    assert "x" not in page.values("src")


def test_a_failed_cell_is_shown_with_its_reason_and_traceback(make_run: MakeRun, add_cell: Callable[..., Path]) -> None:
    run = make_run()
    trouble = {"status": "out-of-memory", "reason": "CUDA out of memory", "traceback": "File x, line 1"}
    add_cell(run, "ours", "turn-him-into-a-knight", **trouble)
    page = page_of(run)
    assert page.text.count("out-of-memory: CUDA out of memory") == 2  # in the gallery and in the list
    assert "File x, line 1" in page.text
    assert "Not all cells are ok: 1 out-of-memory." in page.text
    assert len(page.all("img")) == 10


def test_a_run_without_trouble_tells_of_none(make_run: MakeRun) -> None:
    assert "What did not work" not in page_of(make_run()).text


def test_lost_originals_are_told_and_the_rest_is_shown(make_run: MakeRun) -> None:
    run = make_run()
    store.original(run, "face", 0).unlink()
    store.original(run, "face", 1).write_bytes(b"no picture")
    page = page_of(run)
    assert "Original view 1 of face is missing or damaged" in page.text
    assert "Pictures that are missing or damaged: 2." in page.text
    assert "originals/face damaged: view_0.png is missing or was changed" in words_of(page)
    assert len(page.all("img")) == 12 - 2


def test_a_cell_that_names_a_file_elsewhere_is_damaged(make_run: MakeRun) -> None:
    run = make_run()
    result = run / store.read_record(run).cells[0] / "result.json"
    result.write_text(result.read_text().replace('"view_0.png"', '"../../../../../../etc/passwd"'))
    page = page_of(run)
    assert "cells/ours/face/give-him-a-venetian-mask/seed-0 damaged: result.json" in words_of(page)
    assert "root:" not in page.text
    assert len(page.all("img")) == 10


def test_without_its_record_the_run_is_shown_as_its_cells_tell(make_run: MakeRun) -> None:
    run = make_run()
    (run / "run.json").write_text('{"schema_version": 1, "na')
    page = page_of(run)
    assert "run.json is damaged" in page.text
    assert len(page.all("img")) == 12


def test_every_picture_has_a_text_and_every_link_a_target(make_run: MakeRun) -> None:
    page = page_of(make_run())
    names = page.values("id")
    assert len(set(names)) == len(names)
    assert {link.removeprefix("#") for link in page.values("href")} <= set(names)
    assert {name for value in page.values("aria-labelledby") for name in value.split()} <= set(names)
    assert all(image.get("alt") for image in page.all("img"))


def test_wide_tables_can_be_scrolled_by_keyboard(make_run: MakeRun) -> None:
    page = page_of(make_run())
    regions = [attributes for attributes in page.all("div") if (attributes.get("class") or "").startswith("scroll")]
    assert len(regions) == len(page.all("table")) >= 4
    assert all(region["tabindex"] == "0" and region["aria-label"] for region in regions)


def test_the_command_that_makes_it_again_is_told(make_run: MakeRun) -> None:
    page = page_of(make_run(command="mix2mix benchmark run --seeds 3"))
    assert "mix2mix benchmark run --seeds 3" in page.text


def test_a_run_without_any_cell_has_a_page(make_run: MakeRun) -> None:
    assert "No cell was run." in page_of(make_run(methods=())).text


def test_a_folder_without_a_run_is_a_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected a folder with run\.json"):
        write_report(tmp_path, tmp_path / "report.html")


def test_an_output_that_cannot_be_written_is_a_bad_input(make_run: MakeRun, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="expected a folder that can be written to"):
        write_report(make_run(), tmp_path / "file" / "report.html")
