"""The page in a real browser, opened as a file: by mouse and keyboard, on a phone and on paper, and judged by axe."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from reports.page import write_report

DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}
METHODS = {
    "ours": (0.2, 0.1, 90.0),
    "ours@k=5": (0.6, 0.1, 20.0),
    "ours@k=9": (0.4, 0.2, 40.0),
    "theirs": (0.5, 0.3, 4.0),
    "oracle": (0.05, 0.2, 0.1),
}

Open = Callable[..., Page]


@pytest.fixture
def report(make_scored_run: Callable[..., Path], add_cell: Callable[..., Path]) -> Path:
    """A page with every section: maps, a curve, and a failed cell."""
    run = make_scored_run(METHODS, maps=True)
    trouble = {"status": "failed", "reason": "because", "traceback": "File x, line 1"}
    add_cell(run, "theirs", "turn-him-into-a-knight", **trouble)
    return write_report(run, run / "report.html")


@pytest.fixture
def open_page(browser: Browser, report: Path) -> Iterator[Open]:
    """Opens the page as a file; no script may fail, no rule of the browser be broken, nothing be fetched."""
    contexts = []
    complaints: list[str] = []

    def open_(**settings: Any) -> Page:
        context = browser.new_context(**(DESKTOP | settings))
        contexts.append(context)
        context.set_default_timeout(10_000)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        context.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page = context.new_page()
        page.on("request", lambda request: None if own(request.url) else complaints.append(request.url))
        page.goto(report.as_uri())
        return page

    def own(url: str) -> bool:
        return url == report.as_uri() or url.startswith("data:image/webp")

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


def column(page: Page, place: int) -> list[str]:
    """The texts of a column of the summary's table, without what is small in it."""
    cells = page.locator(".summary tbody tr").all()
    return [row.locator("th, td").nth(place).evaluate("cell => cell.firstChild?.data ?? ''") for row in cells]


def faults(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [f"{fault['id']} ({fault['impact']})" for fault in found] + ["too wide"] * (wide > 0)


def choose(page: Page, mode: str) -> None:
    page.get_by_role("radio", name=mode, exact=True).focus()
    page.keyboard.press("Space")


def tile(page: Page) -> Locator:
    """The first edited view."""
    return page.locator(".card:not(.original) .tile").first


def style(locator: Locator, name: str) -> str:
    found: str = locator.evaluate("(element, name) => getComputedStyle(element)[name]", name)
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_page_keeps_no_one_out(open_page: Open, device: dict[str, Any], scheme: str) -> None:
    page = open_page(**device, color_scheme=scheme)
    for details in page.locator("details").all():
        details.evaluate("element => { element.open = true; }")
    found = faults(page)
    choose(page, "Slider")
    page.get_by_label("Zoom").fill("3")
    assert [*found, *faults(page)] == []


def test_a_table_is_sorted_by_its_headings(open_page: Open) -> None:
    page = open_page()
    assert column(page, 0)[0] == "Ours"
    heading = page.locator(".summary th").nth(4)
    button = heading.get_by_role("button")
    button.focus()
    page.keyboard.press("Enter")
    expect(heading).to_have_attribute("aria-sort", "ascending")
    assert column(page, 4) == ["0.1 s", "4.0 s", "20 s", "40 s", "1 min 30 s"]
    page.keyboard.press("Enter")
    expect(heading).to_have_attribute("aria-sort", "descending")
    assert column(page, 4)[0] == "1 min 30 s"
    expect(button).to_be_focused()
    page.locator(".summary th").nth(0).get_by_role("button").click()
    assert column(page, 0) == sorted(column(page, 0), key=str.casefold)
    expect(heading).not_to_have_attribute("aria-sort", "descending")


def test_fields_without_a_value_come_last_whichever_way(open_page: Open) -> None:
    page = open_page()
    button = page.locator(".summary th").nth(2).get_by_role("button")
    for _ in range(2):
        button.click()
        assert column(page, 2)[-1] == ""


def test_the_slider_moves_by_keyboard_and_by_mouse_in_all_views_at_once(open_page: Open) -> None:
    page = open_page()
    choose(page, "Slider")
    before = tile(page).locator(".before")
    expect(before).to_be_visible()
    assert style(before, "clipPath") == "inset(0px 50% 0px 0px)"
    slider = page.get_by_label("Edited to original")
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "51 % original"
    page.keyboard.press("End")
    assert {style(layer, "clipPath") for layer in page.locator(".before").all()} == {"inset(0px 0% 0px 0px)"}
    tile(page).scroll_into_view_if_needed()
    box = tile(page).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 5)
    page.mouse.up()
    assert float(slider.input_value()) == pytest.approx(25, abs=1.5)


def test_what_lies_over_an_edited_view_is_its_own_original(open_page: Open) -> None:
    page = open_page()
    choose(page, "Difference")
    for edit in page.locator(".edit").all():
        originals = [image.get_attribute("src") for image in edit.locator(".original img").all()]
        for card in edit.locator(".card:not(.original)").filter(has=page.locator(".tile")).all():
            assert [image.get_attribute("src") for image in card.locator(".before img").all()] == originals


def test_zoom_is_the_same_in_all_views_and_goes_back(open_page: Open) -> None:
    page = open_page()
    zoom = page.get_by_label("Zoom")
    expect(page.get_by_label("Across")).to_be_hidden()
    zoom.fill("4")
    page.get_by_label("Across").fill("0")
    shown = {(style(image, "transform"), style(image, "transformOrigin")[:4]) for image in page.locator(".after").all()}
    assert shown == {("matrix(4, 0, 0, 4, 0, 0)", "0px ")}
    page.get_by_role("button", name="Reset").click()
    expect(zoom).to_be_focused()
    assert style(page.locator(".after").first, "transform") == "matrix(1, 0, 0, 1, 0, 0)"


def test_a_double_click_goes_nearer_and_a_drag_moves_what_is_seen(open_page: Open) -> None:
    page = open_page()
    tile(page).scroll_into_view_if_needed()
    tile(page).dblclick(position={"x": 10, "y": 10})
    assert page.get_by_label("Zoom").input_value() == "3"
    across = page.get_by_label("Across")
    before = float(across.input_value())
    box = tile(page).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 20, box["y"] + 60, steps=4)
    page.mouse.up()
    assert float(across.input_value()) == pytest.approx(before + 100 / (3 - 1) * 40 / box["width"], abs=1)


def test_maps_take_the_place_of_views(open_page: Open) -> None:
    page = open_page()
    expect(tile(page).locator(".error")).to_be_hidden()
    choose(page, "Reprojection error")
    expect(tile(page).locator(".error")).to_be_visible()
    expect(tile(page).locator(".after")).to_be_hidden()
    expect(page.locator(".original .after").first).to_be_visible()


def test_without_scripts_everything_but_the_tools_is_there(open_page: Open) -> None:
    page = open_page(java_script_enabled=False)
    expect(page.locator(".tools")).to_be_hidden()
    expect(page.locator("th button")).to_have_count(0)
    expect(page.get_by_role("heading", name="Ours gives the most consistent views")).to_be_visible()
    expect(tile(page).locator(".after")).to_be_visible()


def test_on_paper_there_are_pictures_and_no_tools(open_page: Open) -> None:
    page = open_page()
    page.emulate_media(media="print")
    expect(page.locator(".tools")).to_be_hidden()
    expect(tile(page).locator(".after")).to_be_visible()
    assert page.pdf().startswith(b"%PDF")
