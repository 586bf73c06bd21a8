"""Ratings files that were damaged: each is refused with its faults, or analysed as an independent reader reads it.

``MIX2MIX_MUTATIONS=10000 python -m pytest tests/survey/test_mutations.py`` tries so many.
"""

import json
import os
import re
from collections import defaultdict
from collections.abc import Callable
from fractions import Fraction
from io import StringIO
from itertools import product
from operator import mul
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from mix2mix.errors import InputError
from survey.analysis import analyse
from survey.comparison import Settings
from survey.ratings import Box, Pair, Rating, read_ratings, write_ratings
from survey.results import Analysis

MUTATIONS = int(os.environ.get("MIX2MIX_MUTATIONS", "150"))
QUICK = Settings(randomisations=10, resamples=10)
NASTY = (
    ",",
    ";",
    '"',
    '""',
    "\n",
    "\r",
    "\r\n",
    "\x00",
    "\t",
    "'",
    "=1",
    "[[",
    "nan",
    "-1",
    "1.0",
    "99999999999999999999",
    "٣",
    "\ufeff",
    "\u200b",
    "i-mix2mix",
    "dge",
    "r1",
    "TRUE",
    "1E+5",
    "#REF!",
    "sep=;\n",
    "é",
    " ",
)
Cells = list[list[str]]
Mutation = Callable[[bytes], bytes]


def study() -> str:
    """Three scenes by two methods, two raters each, with and without rectangles."""
    pair = Pair(Box(0, 0.1, 0.2, 0.3, 0.4), Box(1, 0.5, 0.5, 0.25, 0.5))
    ratings = [
        Rating(f"s{scene}{method[0]}", f"scene {scene}", "=Turn, him", method, f"r{rater}", count, (pair,) * count, 1.5)
        for scene, method, rater, count in zip(
            [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3],
            ["i-mix2mix", "i-mix2mix", "dge", "dge"] * 3,
            [1, 2, 2, 3] * 3,
            [0, 1, 2, 3, 1, 1, 1, 0, 0, 4, 2, 3],
            strict=True,
        )
    ]
    stream = StringIO(newline="")
    write_ratings(stream, [*ratings[:6], *(Rating(**{**vars(rating), "pairs": None}) for rating in ratings[6:])])
    return stream.getvalue()


STUDY = study().encode()


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A file of ratings after some damage."""
    data = draw(st.sampled_from([STUDY, STUDY, semicolons()]))
    for _ in range(draw(st.integers(0, 3))):
        data = draw(mutations(len(data)))(data)
    return data


def semicolons() -> bytes:
    """The study as a spreadsheet with decimal commas writes it, without rectangles."""
    rows = [row[:6] for row in independent(STUDY.decode(), ",")]
    return "\n".join(";".join(row) for row in rows).encode()


def mutations(length: int) -> st.SearchStrategy[Mutation]:
    """One kind of damage: to bytes, digits, parts, lines, or the encoding."""
    place = st.integers(0, length)
    text = st.sampled_from(NASTY).map(str.encode)
    return st.one_of(
        st.builds(lambda at, new: lambda data: data[:at] + new + data[at:], place, text | st.binary(max_size=3)),
        st.builds(lambda at, new: lambda data: data[:at] + new + data[at + len(new) :], place, text),
        st.builds(lambda at, size: lambda data: data[:at] + data[at + size :], place, st.integers(1, 60)),
        st.builds(lambda at, size: lambda data: data[: at + size] + data[at:], place, st.integers(1, 60)),
        st.builds(lambda at: lambda data: data[:at], place),
        st.builds(_swap_lines, st.integers(0, 14), st.integers(0, 14)),
        st.builds(_drop_line, st.integers(0, 14)),
        st.builds(_digit, place, st.integers(0, 9)),
        st.builds(_capital, place),
        st.sampled_from([_with_bom, _unix_lines, _old_mac_lines, _utf_16, _latin_1, _sep_line]),
    )


def _swap_lines(first: int, second: int) -> Mutation:
    def swap(data: bytes) -> bytes:
        lines = data.splitlines(keepends=True)
        if max(first, second) < len(lines):
            lines[first], lines[second] = lines[second], lines[first]
        return b"".join(lines)

    return swap


def _drop_line(number: int) -> Mutation:
    return lambda data: b"".join(line for at, line in enumerate(data.splitlines(keepends=True)) if at != number)


def _digit(start: int, digit: int) -> Mutation:
    def change(data: bytes) -> bytes:
        at = next((at for at in range(start, len(data)) if data[at : at + 1].isdigit()), None)
        return data if at is None else data[:at] + str(digit).encode() + data[at + 1 :]

    return change


def _capital(start: int) -> Mutation:
    def change(data: bytes) -> bytes:
        at = next((at for at in range(start, len(data)) if data[at : at + 1].islower()), len(data))
        return data[:at] + data[at : at + 1].upper() + data[at + 1 :]

    return change


def _with_bom(data: bytes) -> bytes:
    return b"\xef\xbb\xbf" + data


def _unix_lines(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n")


def _old_mac_lines(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\r")


def _utf_16(data: bytes) -> bytes:
    return data.decode(errors="replace").encode("utf-16")


def _latin_1(data: bytes) -> bytes:
    return data.decode(errors="replace").encode("latin-1", errors="replace")


def _sep_line(data: bytes) -> bytes:
    return b"sep=,\r\n" + data


def independent(text: str, separator: str) -> Cells:
    """The cells of a CSV by a pattern of our own; rows without content left out."""
    cell = re.compile(rf'(?:"((?:[^"]|"")*)"|(?!")([^{separator}\r\n]*))({separator}|\r\n|\r|\n|\Z)')
    rows: Cells = [[]]
    at = 0
    while True:
        found = cell.match(text, at)
        assert found is not None, f"accepted, though no CSV: {text[at:]!r}"
        rows[-1].append(found[2] if found[1] is None else found[1].replace('""', '"'))
        if not found[3] and found.end() == len(text):
            return [row for row in rows if any(row)]
        if found[3] != separator:
            rows.append([])
        at = found.end()


def reference(data: bytes) -> list[dict[str, str]]:
    """The rows by an independent reader, texts without the apostrophe before a formula."""
    text = data.decode("utf-8-sig")
    first = re.match(r"[^\r\n]*", text)[0]  # type: ignore[index]
    separator = ";" if first.count(";") > first.count(",") else ","
    if first in ("sep=,", "sep=;"):
        text = text.removeprefix(first).lstrip("\r\n")
    header, *rows = independent(text, separator)
    named = [dict(zip(header, row, strict=False)) for row in rows]
    return [{name: re.sub("^'(?=[-=+@'＝＋－＠])", "", cell) for name, cell in row.items()} for row in named]


def check_against_reference(ratings: list[Rating], rows: list[dict[str, str]]) -> None:
    """Every row is a rating, text for text and number for number."""
    assert len(ratings) == len(rows)
    for rating, row in zip(ratings, rows, strict=True):
        for name in ("set_id", "scene", "edit", "method", "rater_id"):
            assert getattr(rating, name) == row[name]
        assert str(rating.n_pairs) == row["n_pairs"]
        marked = [[vars(pair.first), vars(pair.second)] for pair in rating.pairs or ()]
        assert marked == json.loads(row.get("pairs") or "[]")


def check_analysis(analysis: Analysis, rows: list[dict[str, str]]) -> None:
    """Table 2 and the sign-flip test as one would work them out by hand."""
    counts: dict[str, dict[tuple[str, str], list[int]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        counts[row["method"]][row["scene"], row["edit"]].append(int(row["n_pairs"]))
    for method, shown in analysis.table2.items():
        tasks = [count for scene in counts[method].values() for count in scene]
        assert shown.mean_pairs == pytest.approx(sum(tasks) / len(tasks))
        assert shown.consistent_pct == pytest.approx(100 * sum(count <= 1 for count in tasks) / len(tasks))
        assert shown.inconsistent_pct == pytest.approx(100 * sum(count >= 3 for count in tasks) / len(tasks))
    first, second = (counts[method] for method in analysis.methods[:2])
    means = [
        Fraction(sum(first[scene]), len(first[scene])) - Fraction(sum(second[scene]), len(second[scene]))
        for scene in first
        if scene in second
    ]
    sums = [abs(sum(map(mul, signs, means))) for signs in product((-1, 1), repeat=len(means))]
    flip = analysis.tests.sign_flip
    assert flip.mean_difference == pytest.approx(float(sum(means) / len(means)))
    assert flip.p_two_sided == sum(total >= abs(sum(means)) for total in sums) / len(sums)
    assert set(counts) == set(analysis.methods)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the damaged file lies."""
    return tmp_path_factory.mktemp("mutations") / "ratings.csv"


def refusal(action: Callable[[], object]) -> str:
    """The message with which an action refuses its input; empty where it does not."""
    try:
        action()
    except InputError as error:
        return str(error)
    return ""


@settings(
    max_examples=MUTATIONS,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=mutated())
def test_a_damaged_file_is_refused_or_read_as_it_stands(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    refused = refusal(lambda: read_ratings(path))
    if refused:
        event("refused")
        assert re.search(r"\n  line \d+, .*: got .*; expected ", refused)
        return
    ratings, rows = read_ratings(path), reference(data)
    check_against_reference(ratings, rows)
    incomparable = refusal(lambda: analyse(ratings, settings=QUICK))
    if incomparable:
        event("not comparable")
        assert incomparable.startswith("method")
        return
    event("analysed")
    check_analysis(analyse(ratings, settings=QUICK), rows)


@pytest.mark.parametrize("data", [STUDY, semicolons()])
def test_the_undamaged_study_is_analysed(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    check_against_reference(read_ratings(path), reference(data))
    check_analysis(analyse(read_ratings(path), settings=QUICK), reference(data))
