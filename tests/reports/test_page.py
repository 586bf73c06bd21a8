"""The page: whole in one file, safe to open, readable by everyone, and honest about what did not work."""

import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from benchmark import store
from benchmark.results import RunRecord
from mix2mix.errors import InputError
from reports.page import facts, notices, render, write_report

MakeRun = Callable[..., Path]
Attributes = dict[str, str | None]
VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """The elements of a page, and its text; complains about a tag that is not closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, Attributes]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.text += " "

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data

    def all(self, tag: str) -> list[Attributes]:
        return [attributes for name, attributes in self.elements if name == tag]

    def values(self, attribute: str) -> list[str]:
        return [found for _, attributes in self.elements if (found := attributes.get(attribute))]


def page_of(run: Path) -> Page:
    return Page(render(store.read_run(run)))


def test_the_page_is_written_whole(make_run: MakeRun, tmp_path: Path) -> None:
    output = write_report(make_run(), tmp_path / "made" / "report.html")
    assert output.read_text(encoding="utf-8").endswith("</html>")


def test_nothing_is_loaded_from_elsewhere(make_run: MakeRun) -> None:
    html = render(store.read_run(make_run()))
    page = Page(html)
    assert all(source.startswith("data:image/jpeg;base64,") for source in page.values("src"))
    assert all(link.startswith("#") for link in page.values("href"))
    assert page.all("script") == page.all("link") == []
    assert "url(" not in html
    assert "default-src 'none'" in html


def test_the_page_is_made_without_torch(make_run: MakeRun) -> None:
    code = (
        "import sys; from pathlib import Path; from reports.page import write_report;"
        "write_report(Path(sys.argv[1]), Path(sys.argv[1]) / 'report.html'); sys.exit('torch' in sys.modules)"
    )
    root = Path(store.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code, make_run()], check=False, cwd=root).returncode == 0


def test_every_view_of_every_cell_is_shown_under_its_original(make_run: MakeRun) -> None:
    page = page_of(make_run())
    alts = [image["alt"] for image in page.all("img")]
    assert len(alts) == 2 * (2 + 2 * 2)  # edits x (originals + methods x views)
    assert alts[:4] == [
        "Original view 1 of face",
        "Original view 2 of face",
        "View 1, Give him a venetian mask, by Ours",
        "View 2, Give him a venetian mask, by Ours",
    ]


def test_edits_come_in_the_order_of_the_plan(make_run: MakeRun) -> None:
    run = make_run()
    record = store.read_record(run)
    turned = record.model_copy(update={"cells": tuple(reversed(record.cells))})
    store.write_record(run, turned)
    text = page_of(run).text
    assert text.index("Turn him into a knight") < text.index("Give him a venetian mask")


def test_scores_and_runtimes_are_tabled(make_run: MakeRun) -> None:
    text = " ".join(page_of(make_run()).text.split())
    assert "Ours 2 0 0.400 0.260 0.150 0.500 0.040 0.200 0.010 12.5" in text
    assert "in the paper, Table 1 0.300 0.200 0.100" in text
    assert "Ours 2 12 s 12 s to 12 s 0.5 s edit 12 s, decode 0.2 s teacher 4 0.5 GiB process 22 min" in text


def test_cons_is_shown_with_dir_in_the_gallery_too(make_run: MakeRun) -> None:
    text = page_of(make_run()).text
    assert text.count("Cons 0.400") == text.count("Dir 0.150") == 4


def test_text_from_files_is_escaped(make_run: MakeRun, add_cell: Callable[..., Path]) -> None:
    run = make_run(command="<script>alert(1)</script>", name="<i>run</i>")
    add_cell(run, "ours", "turn-him-into-a-knight", status="failed", reason="<b>bold</b>", traceback="<img src=x>")
    page = page_of(run)
    assert page.all("script") == page.all("b") == page.all("i") == []
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


def test_a_run_without_trouble_has_no_notices(make_run: MakeRun) -> None:
    run = make_run()
    assert notices(store.read_run(run)) == []
    assert "What did not work" not in page_of(run).text


def test_random_weights_are_marked(make_run: MakeRun) -> None:
    run = make_run()
    record = store.read_record(run)
    bundle = record.provenance.bundle.model_copy(update={"random_weights": True})
    marked = record.model_copy(update={"provenance": record.provenance.model_copy(update={"bundle": bundle})})
    store.write_record(run, marked)
    assert "Random weights: the models were not trained." in page_of(run).text


def test_a_smoke_run_is_marked(make_run: MakeRun) -> None:
    assert "Its pictures and scores mean nothing." in page_of(make_run(budget="smoke")).text


def test_missing_damaged_and_foreign_cells_are_told(make_run: MakeRun, add_cell: Callable[..., Path]) -> None:
    run = make_run()
    record: RunRecord = store.read_record(run)
    store.write_record(run, record.model_copy(update={"cells": (*record.cells, "cells/ours/bear/never/seed-0")}))
    (run / record.cells[0] / "view_0.png").unlink()
    other = record.provenance.model_copy(update={"budget": "another"})
    add_cell(run, "theirs", "turn-him-into-a-knight", provenance=other)
    text = page_of(run).text
    assert "Planned cells that were not run yet: 2." in text
    assert "Damaged cells, left out: 1." in text
    assert "Cells of another bundle or budget, left out: 1." in text
    assert "damaged: view_0.png is missing or was changed" in text


def test_lost_originals_are_told_and_the_rest_is_shown(make_run: MakeRun) -> None:
    run = make_run()
    store.original(run, "face", 0).unlink()
    store.original(run, "face", 1).write_bytes(b"no picture")
    page = page_of(run)
    assert "Original view 1 of face is missing" in page.text
    assert len(page.all("img")) == 12 - 2


def test_every_picture_has_a_text_and_every_link_a_target(make_run: MakeRun) -> None:
    page = page_of(make_run())
    names = page.values("id")
    assert len(set(names)) == len(names)
    assert {link.removeprefix("#") for link in page.values("href")} <= set(names)
    assert set(page.values("aria-labelledby")) <= set(names)
    assert all(image.get("alt") for image in page.all("img"))


def test_wide_tables_can_be_scrolled_by_keyboard(make_run: MakeRun) -> None:
    regions = [attributes for _, attributes in page_of(make_run()).elements if attributes.get("class") == "scroll"]
    assert len(regions) == 3
    assert all(region["tabindex"] == "0" and region["aria-label"] for region in regions)


@pytest.mark.parametrize("views", [2, 8])
def test_the_gallery_has_a_column_for_every_view(make_run: MakeRun, views: int) -> None:
    articles = page_of(make_run(views=views)).all("article")
    assert [article["style"] for article in articles] == [f"--views: {views}"] * 2


def test_what_ran_is_told(make_run: MakeRun) -> None:
    told = dict(facts(store.read_run(make_run())))
    assert told["Bundle"] == "mini (dddddddddddd)"
    assert told["Machine"] == "A processor, 2 cores, 8 GiB; run on cpu"
    assert told["Sources"] == "0123456789ab"
    assert told["Command"] == "mix2mix benchmark run"


def test_a_run_without_any_cell_has_a_page(make_run: MakeRun) -> None:
    assert "No cell was run." in page_of(make_run(methods=())).text


def test_a_folder_without_a_run_is_a_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected a folder with run\.json"):
        write_report(tmp_path, tmp_path / "report.html")


def test_an_output_that_cannot_be_written_is_a_bad_input(make_run: MakeRun, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="expected a folder that can be written to"):
        write_report(make_run(), tmp_path / "file" / "report.html")
