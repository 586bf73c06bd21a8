"""Ratings files: what is written is read, and every fault is told with its place."""

from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mix2mix.errors import InputError
from survey.ratings import COLUMNS, Box, Pair, Rating, RatingsError, faults_of, read_ratings, write_ratings

PAIR = Pair(Box(0, 0.1, 0.2, 0.3, 0.4), Box(3, 0.5, 0.5, 0.5, 0.5))
FULL = Rating(
    set_id="s1",
    scene="face",
    edit='Give him a "cowboy", hat; and a mask',
    method="i-mix2mix@k=20+f=0.1",
    rater_id="-r1",
    n_pairs=1,
    pairs=(PAIR,),
    duration_s=41.25,
    attention_passed=True,
    submitted_at=datetime(2026, 5, 1, 14, 3, 20, 5, tzinfo=UTC),
)
BARE = Rating("s2", "face", "=edit", "dge", "-r1", 0)
HEADER = "set_id,scene,edit,method,rater_id,n_pairs"


def written(*ratings: Rating) -> str:
    """The CSV of ratings."""
    stream = StringIO(newline="")
    write_ratings(stream, ratings)
    return stream.getvalue()


def read(path: Path, text: str) -> list[Rating]:
    """The ratings of a text."""
    path.joinpath("ratings.csv").write_bytes(text.encode())
    return read_ratings(path / "ratings.csv")


def faults(path: Path, text: str) -> list[tuple[int, str, str]]:
    """The faults of a text: line, column and value."""
    with pytest.raises(RatingsError) as caught:
        read(path, text)
    return [(fault.line, fault.column, fault.value) for fault in caught.value.faults]


def test_the_header_is_the_contract() -> None:
    assert ",".join(COLUMNS) == f"{HEADER},pairs,duration_s,attention_passed,submitted_at"
    assert written() == ",".join(COLUMNS) + "\r\n"


def test_what_is_written_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, written(FULL, BARE)) == [FULL, BARE]


NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
RATINGS = st.builds(
    Rating,
    *[NAMES] * 5,
    st.integers(-1, 1001),
    st.none() | st.just(()) | st.just((PAIR,)),
    st.none() | st.floats(),
    st.none() | st.booleans(),
    st.none() | st.datetimes(timezones=st.none() | st.timezones()),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for all examples."""
    return tmp_path_factory.mktemp("ratings")


@given(rating=RATINGS)
def test_any_rating_is_written_and_read_back_or_refused(folder: Path, rating: Rating) -> None:
    if faults_of(rating):
        with pytest.raises(InputError, match="a rating's"):
            written(rating)
    else:
        assert read(folder, written(rating)) == [rating]


def test_no_cell_is_a_formula() -> None:
    assert "'=edit" in written(BARE)
    assert ",=" not in written(BARE)


def test_columns_may_stand_in_any_order_and_optional_ones_be_absent(tmp_path: Path) -> None:
    text = "n_pairs,rater_id,method,edit,scene,set_id\n2,r,dge,e,face,s\n"
    assert read(tmp_path, text) == [Rating("s", "face", "e", "dge", "r", 2)]


def test_semicolons_bring_decimal_commas(tmp_path: Path) -> None:
    head = HEADER.replace(",", ";") + ";duration_s\n"
    assert read(tmp_path, f"{head}s;face;e;dge;r;2;12,5\n")[0].duration_s == 12.5
    assert faults(tmp_path, f'{HEADER},duration_s\ns,face,e,dge,r,2,"12,5"\n') == [(2, "duration_s", "12,5")]


def test_a_spreadsheet_s_empty_rows_and_columns_hold_nothing(tmp_path: Path) -> None:
    assert len(read(tmp_path, f"{HEADER},,\ns,face,e,dge,r,2,,\n,,,,,,,\n,,,,,,,\n")) == 1


def test_every_fault_is_told_with_its_line_column_and_value(tmp_path: Path) -> None:
    text = f"{HEADER}\ns1,face,e,dge,r1,x\ns1,,e,dge,r2,-1\ns1,face,e,dge,r3\ns1,face,e,dge,r4,2\n"
    found = [(2, "n_pairs", "x"), (3, "scene", ""), (3, "n_pairs", "-1"), (4, "row", "5 cells")]
    assert faults(tmp_path, text) == found
    with pytest.raises(
        RatingsError, match=r"got 4 faults.*\n  line 2, n_pairs: got 'x'; expected a whole number from 0"
    ):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", [(1, "header", "")]),
        ("set_id,scene,edit,method,rater_id", [(1, "header", "set_id,scene,edit,method,rater_id".replace(",", ", "))]),
        (f"{HEADER},n_pairs", [(1, "header", "n_pairs")]),
        (f"{HEADER},age", [(1, "header", "age")]),
        (HEADER.upper(), [(1, "header", name) for name in HEADER.upper().split(",")]),
    ],
)
def test_a_wrong_header_is_told(tmp_path: Path, header: str, found: list[tuple[int, str, str]]) -> None:
    assert faults(tmp_path, header)[: len(found)] == found


def test_a_file_without_ratings_is_told(tmp_path: Path) -> None:
    assert faults(tmp_path, HEADER) == [(1, "rows", "none")]


@pytest.mark.parametrize(
    ("second", "found"),
    [
        ("s1,face,e,dge,r1,2", (3, "set_id, rater_id", "s1, r1")),
        ("s1,bear,e,dge,r2,2", (3, "scene, edit, method", "bear, e, dge")),
        ("s2,face,e,DGE,r2,2", (3, "method", "DGE")),
        ("s2,Face,e,dge,r2,2", (3, "scene", "Face")),
        ("s2,face,e,dge,R1,2", (3, "rater_id", "R1")),
    ],
)
def test_rows_that_contradict_each_other_are_told(tmp_path: Path, second: str, found: tuple[int, str, str]) -> None:
    assert found in faults(tmp_path, f"{HEADER}\ns1,face,e,dge,r1,2\n{second}\n")


def test_a_number_of_pairs_that_is_not_that_of_the_rectangles_is_told(tmp_path: Path) -> None:
    text = written(FULL).replace(",-r1,1,", ",-r1,11,").replace(",'-r1,1,", ",'-r1,11,")
    assert faults(tmp_path, text) == [(2, "n_pairs", "11")]


def test_a_lost_quote_swallows_no_row(tmp_path: Path) -> None:
    text = f'{HEADER}\ns1,face,"e,dge,r1,2\ns2,face,e",dge,r2,2\n'
    assert [line for line, _, _ in faults(tmp_path, text)] == [2]


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_ratings(tmp_path / "none.csv")
    with pytest.raises(InputError, match="Is a directory"):
        read_ratings(tmp_path)


def test_text_that_is_no_csv_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv"
    path.write_bytes(f"{HEADER}\ns,caf\xe9,e,dge,r,2\n".encode("latin-1"))
    with pytest.raises(RatingsError, match="line 2, text: got 'byte 0xe9'; expected UTF-8"):
        read_ratings(path)
