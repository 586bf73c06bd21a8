"""The pages in a real browser: drawn by mouse, keyboard and finger, and judged by axe."""

import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from survey.boxes import Box
from survey.ratings import read_ratings
from survey.server.export import export_ratings
from survey.server.records import saved_raters
from survey.study import Study

DESKTOP = {"viewport": {"width": 1280, "height": 800}, "has_touch": True}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}
PIXEL = 0.006
"""A pixel as a part of the views' width here, and a bit more."""

Open = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, site: Any) -> Iterator[Open]:
    """Opens a page of the site; no script may fail, no rule of the browser be broken, nothing come from elsewhere."""
    contexts = []
    complaints: list[str] = []

    def open_(**settings: Any) -> Page:
        context = browser.new_context(base_url=site.url, **(DESKTOP | settings))
        contexts.append(context)
        context.set_default_timeout(10_000)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        context.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        context.on(
            "request", lambda request: None if request.url.startswith(site.url) else complaints.append(request.url)
        )
        return context.new_page()

    yield open_
    for context in contexts:
        context.close()
    assert [text for text in complaints if "Failed to load resource" not in text] == []


def begin(page: Page, query: str = "") -> None:
    page.goto(f"/{query}")
    page.get_by_label("I agree to take part").check()
    page.get_by_role("button", name="Begin").click()
    page.get_by_role("link", name="Go to the first set").click()
    expect(page.locator("#hint")).not_to_be_empty()


def at(page: Page, view: int, x: float, y: float) -> tuple[float, float]:
    frame = page.locator(".view").nth(view).bounding_box()
    assert frame is not None
    return frame["x"] + x * frame["width"], frame["y"] + y * frame["height"]


def drag(page: Page, view: int, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*at(page, view, *start))
    page.mouse.down()
    page.mouse.move(*at(page, view, *end), steps=3)
    page.mouse.up()


def swipe(page: Page, view: int, start: tuple[float, float], end: tuple[float, float]) -> None:
    finger = page.context.new_cdp_session(page)
    points = [at(page, view, *point) for point in (start, ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2), end)]
    for kind, (x, y) in zip(("touchStart", "touchMove", "touchMove"), points, strict=True):
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def spread(page: Page, view: int) -> None:
    """Two fingers, one after the other, moved apart."""
    fingers = page.context.new_cdp_session(page)
    x, y = at(page, view, 0.5, 0.5)

    def touch(kind: str, distance: float, count: int) -> None:
        sides = ((0, distance), (1, -distance))[:count]
        points = [{"x": x + along, "y": y + along / 2, "id": finger} for finger, along in sides]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 14, 1)
    touch("touchStart", 14, 2)
    for distance in range(14, 80, 6):
        touch("touchMove", distance, 2)
    touch("touchEnd", 0, 0)
    page.wait_for_function("visualViewport.scale > 1")


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def boxes(page: Page) -> list[Locator]:
    return page.locator(".box").all()


def seen(page: Page) -> dict[tuple[str, str], Box]:
    """The rectangles as the page shows them, by number of the pair and part."""
    found = {}
    for box in boxes(page):
        view = int(box.locator("xpath=..").get_attribute("data-view") or "")
        sides = [float(side) / 100 for side in re.findall(r": ([\d.]+)%", box.get_attribute("style") or "")]
        found[box.inner_text(), box.get_attribute("data-part") or ""] = Box(view, *sides)
    return found


def saved(page: Page) -> None:
    expect(page.locator("#saved")).to_have_text("Saved")


def close_to(box: Box, view: int, x: float, y: float, w: float, h: float, tolerance: float = PIXEL) -> bool:
    return box.view == view and (box.x, box.y, box.w, box.h) == pytest.approx((x, y, w, h), abs=tolerance)


def hand_in(page: Page) -> None:
    page.get_by_role("button", name="Hand in and go on").click()


def test_a_rater_draws_by_mouse_keyboard_and_finger_reloads_and_finishes(
    open_page: Open, large_study: Study, tmp_path: Path
) -> None:
    page = open_page()
    begin(page, "?PROLIFIC_PID=anna&SESSION_ID=1")
    drag(page, 0, (0.1, 0.1), (0.4, 0.5))
    drag(page, 1, (0.9, 0.8), (0.6, 0.3))
    drag(page, 2, (0.2, 0.2), (0.5, 0.4))
    drag(page, 3, (0.1, 0.6), (0.3, 0.9))
    saved(page)
    page.reload()
    expect(page.locator(".box")).to_have_count(4)

    page.get_by_role("button", name="Add a rectangle on picture 2").focus()
    press(page, "Enter", *["ArrowLeft"] * 5, *["ArrowDown"] * 3, *["Shift+ArrowRight"] * 4, "Enter")
    expect(page.get_by_role("button", name="Add a rectangle on picture 1")).to_be_focused()
    press(page, *["Tab"] * 5, "Enter", *["Shift+ArrowUp"] * 2, "Enter")
    swipe(page, 3, (0.5, 0.1), (0.8, 0.4))
    swipe(page, 0, (0.6, 0.6), (0.9, 0.9))
    saved(page)
    first = seen(page)
    page.reload()
    expect(page.locator(".box")).to_have_count(8)
    assert seen(page) == first

    hand_in(page)
    expect(page).to_have_title(re.compile("Set 2 of 3"))
    page.get_by_label("I see no inconsistency").check()
    saved(page)
    page.reload()
    expect(page.get_by_label("I see no inconsistency")).to_be_checked()
    hand_in(page)
    expect(page).to_have_title(re.compile("Set 3 of 3"))
    page.get_by_label("I see no inconsistency").check()
    hand_in(page)
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()

    export_ratings(saved_raters(large_study), tmp_path / "ratings.csv")
    rated, *others = [rating for rating in read_ratings(tmp_path / "ratings.csv") if rating.rater_id == "anna"]
    assert [(rating.n_pairs, rating.pairs) for rating in others] == [(0, ()), (0, ())]
    assert rated.pairs is not None
    assert rated.n_pairs == len(rated.pairs) == 4
    exported = {
        (str(number), part): getattr(pair, part)
        for number, pair in enumerate(rated.pairs, 1)
        for part in ("first", "second")
    }
    assert exported == first
    assert close_to(exported["1", "first"], 0, 0.1, 0.1, 0.3, 0.4)
    assert close_to(exported["1", "second"], 1, 0.6, 0.3, 0.3, 0.5)
    assert close_to(exported["2", "first"], 2, 0.2, 0.2, 0.3, 0.2)
    assert close_to(exported["2", "second"], 3, 0.1, 0.6, 0.2, 0.3)
    assert close_to(exported["3", "first"], 1, 0.35, 0.43, 0.24, 0.2, tolerance=1e-9)
    assert close_to(exported["3", "second"], 2, 0.4, 0.4, 0.2, 0.18, tolerance=1e-9)
    assert close_to(exported["4", "first"], 3, 0.5, 0.1, 0.3, 0.3)
    assert close_to(exported["4", "second"], 0, 0.6, 0.6, 0.3, 0.3)


def test_rectangles_are_moved_resized_deleted_and_brought_back(open_page: Open) -> None:
    page = open_page()
    begin(page)
    drag(page, 0, (0.2, 0.2), (0.6, 0.6))
    drag(page, 0, (0.4, 0.4), (0.5, 0.45))  # inside of the one just drawn
    assert close_to(seen(page)["1", "first"], 0, 0.3, 0.25, 0.4, 0.4)
    drag(page, 0, (0.7, 0.65), (0.9, 0.95))  # its lower right corner
    assert close_to(seen(page)["1", "first"], 0, 0.3, 0.25, 0.6, 0.7)
    drag(page, 0, (0.3, 0.6), (0.05, 0.6))  # its left edge
    assert close_to(seen(page)["1", "first"], 0, 0.05, 0.25, 0.6, 0.7)
    drag(page, 0, (0.4, 0.5), (1.4, 1.5))
    assert close_to(seen(page)["1", "first"], 0, 0.4, 0.3, 0.6, 0.7)

    drag(page, 1, (0.1, 0.1), (0.3, 0.3))
    drag(page, 0, (0.5, 0.5), (0.7, 0.7))  # inside of one that is not chosen: a new one
    assert len(boxes(page)) == 3
    page.get_by_role("button", name="Delete pair 1").click()
    assert list(seen(page)) == [("1", "first")]
    page.get_by_role("button", name="Undo").click()
    assert len(boxes(page)) == 3
    press(page, "Control+z", "Control+z")
    assert len(boxes(page)) == 1
    for _ in range(4):
        press(page, "Control+z")
    assert close_to(seen(page)["1", "first"], 0, 0.2, 0.2, 0.4, 0.4)
    press(page, "Control+z", "Control+z")
    assert boxes(page) == []
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()


def test_a_pair_is_deleted_by_keyboard_and_the_focus_stays_near(open_page: Open) -> None:
    page = open_page()
    begin(page)
    add = page.get_by_role("button", name="Add a rectangle on picture 3")
    add.focus()
    press(page, "Enter", "Delete")
    assert boxes(page) == []
    expect(add).to_be_focused()


def test_two_taps_make_a_rectangle(open_page: Open) -> None:
    page = open_page()
    begin(page)
    page.touchscreen.tap(*at(page, 1, 0.2, 0.3))
    expect(page.locator(".corner")).to_be_visible()
    page.touchscreen.tap(*at(page, 1, 0.7, 0.8))
    assert close_to(seen(page)["1", "first"], 1, 0.2, 0.3, 0.5, 0.5)
    expect(page.locator(".corner")).to_have_count(0)


def test_a_second_rectangle_on_the_same_picture_takes_the_first_one_s_place(open_page: Open) -> None:
    page = open_page()
    begin(page)
    drag(page, 0, (0.1, 0.1), (0.3, 0.3))
    drag(page, 0, (0.5, 0.5), (0.8, 0.8))
    assert list(seen(page)) == [("1", "first")]
    assert close_to(seen(page)["1", "first"], 0, 0.5, 0.5, 0.3, 0.3)


def test_two_fingers_zoom_and_draw_nothing(open_page: Open) -> None:
    page = open_page(**PHONE)
    begin(page)
    spread(page, 0)
    assert page.evaluate("visualViewport.scale") > 1.2
    assert boxes(page) == []
    expect(page.locator(".corner, .sketch")).to_have_count(0)


def test_one_finger_draws_on_a_phone_and_scrolls_beside_the_pictures(open_page: Open) -> None:
    page = open_page(**PHONE)
    begin(page)
    swipe(page, 0, (0.1, 0.9), (0.9, 0.1))
    assert close_to(seen(page)["1", "first"], 0, 0.1, 0.1, 0.8, 0.8, tolerance=0.01)
    assert page.evaluate("scrollY") == 0


def test_a_pen_draws_as_a_mouse_does(open_page: Open) -> None:
    page = open_page()
    begin(page)
    pen = page.context.new_cdp_session(page)
    steps = (
        ("mousePressed", 0.2, 0.1),
        ("mouseMoved", 0.4, 0.3),
        ("mouseMoved", 0.5, 0.6),
        ("mouseReleased", 0.5, 0.6),
    )
    for kind, x, y in steps:
        left, top = at(page, 3, x, y)
        held = {"button": "left", "buttons": 1, "clickCount": 1, "pointerType": "pen"}
        pen.send("Input.dispatchMouseEvent", {"type": kind, "x": left, "y": top, **held})
    assert close_to(seen(page)["1", "first"], 3, 0.2, 0.1, 0.3, 0.5)


def test_nothing_is_not_the_same_as_not_done(open_page: Open) -> None:
    page = open_page()
    begin(page)
    hand_in(page)
    expect(page.get_by_role("alert")).to_contain_text("Mark at least one pair")
    drag(page, 0, (0.1, 0.1), (0.3, 0.3))
    hand_in(page)
    expect(page.get_by_role("alert")).to_contain_text("lacks its second rectangle")
    none = page.get_by_label("I see no inconsistency")
    expect(none).to_be_disabled()
    page.get_by_role("button", name="Delete pair 1").click()
    none.check()
    drag(page, 0, (0.1, 0.1), (0.3, 0.3))
    expect(none).not_to_be_checked()


def test_a_change_is_sent_until_it_is_kept(open_page: Open) -> None:
    page = open_page()
    begin(page)
    failures = itertools.count()
    page.route("**/save", lambda route: route.abort() if next(failures) < 2 else route.continue_())
    drag(page, 0, (0.1, 0.1), (0.3, 0.3))
    expect(page.locator("#saved")).to_have_text("Not saved yet: trying again …")
    drag(page, 1, (0.1, 0.1), (0.3, 0.3))
    saved(page)
    before = seen(page)
    page.reload()
    assert seen(page) == before
    assert len(before) == 2


def test_two_windows_do_not_overwrite_each_other(open_page: Open) -> None:
    page = open_page()
    begin(page)
    other = page.context.new_page()
    other.goto("/task")
    drag(page, 0, (0.1, 0.1), (0.3, 0.3))
    saved(page)
    other.bring_to_front()
    drag(other, 3, (0.1, 0.1), (0.3, 0.3))
    expect(other.get_by_role("alert")).to_contain_text("changed in another window. Reload this page")
    other.reload()
    assert {box.view for box in seen(other).values()} == {0}


def test_the_operator_s_page_keeps_itself_fresh(open_page: Open, large_study: Study) -> None:
    page = open_page()
    page.clock.install()
    page.goto("/operator")
    page.get_by_label("Token").fill(large_study.secrets.operator_token)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#status")).not_to_contain_text("late-comer")
    rater = page.context.new_page()
    begin(rater, "?PROLIFIC_PID=late-comer")
    page.clock.fast_forward(6000)
    expect(page.locator("#status")).to_contain_text("late-comer")


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_no_page_keeps_anyone_out(open_page: Open, large_study: Study, device: dict[str, Any]) -> None:
    page = open_page(**device)

    def faults(path: str) -> list[str]:
        page.wait_for_url(path)  # a click does not wait for the page that it asks for
        found = Axe().run(page).response["violations"]
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return [f"{page.url}: {fault['id']} ({fault['impact']})" for fault in found] + ["too wide"] * (wide > 0)

    page.goto("/")
    found = faults("/")
    page.get_by_label("I agree to take part").check()
    page.get_by_role("button", name="Begin").click()
    found += faults("/instructions")
    page.get_by_role("link", name="Go to the first set").click()
    found += faults("/task")
    for view in range(4):
        drag(page, view, (0.1, 0.1), (0.6, 0.5))
    drag(page, 0, (0.3, 0.7), (0.6, 0.9))
    hand_in(page)
    page.get_by_text("What to do").click()
    found += faults("/task")
    page.get_by_role("button", name="Delete pair 3").click()
    for number in (1, 2, 3):
        expect(page).to_have_title(re.compile(f"Set {number} of 3"))
        if number > 1:
            page.get_by_label("I see no inconsistency").check()
        hand_in(page)
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    found += faults("/done")
    page.goto("/nothing")
    found += faults("/nothing")
    page.goto("/operator")
    found += faults("/operator")
    page.get_by_label("Token").fill(large_study.secrets.operator_token)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#summary")).to_be_visible()
    found += faults("/operator")
    assert found == []
