"""What a browser sends about a task, checked to the last rectangle before it is kept."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from survey.boxes import MAX_VIEWS, ROUNDING, Box, Pair

MAX_PAIRS = 50
SMALLEST = 0.005
"""Least width and height of a rectangle, as parts of the view's: smaller ones are slips."""

Fraction = Annotated[float, Field(ge=0, le=1)]
Side = Annotated[float, Field(ge=SMALLEST, le=1)]


class Message(BaseModel):
    """A part of what the browser sends: strictly typed, without unknown fields, NaN or infinity."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


class Rectangle(Message):
    """A rectangle that lies on its view."""

    view: Annotated[int, Field(ge=0, lt=MAX_VIEWS)]
    x: Fraction
    y: Fraction
    w: Side
    h: Side

    @model_validator(mode="after")
    def lies_on_the_view(self) -> Self:
        """Refuse what leaves the view on the right or at the bottom."""
        if max(self.x + self.w, self.y + self.h) > 1 + ROUNDING:
            raise ValueError("a rectangle leaves its view")
        return self

    @property
    def box(self) -> Box:
        """The rectangle as it is exported."""
        return Box(self.view, self.x, self.y, self.w, self.h)


class Marks(Message):
    """A pair of rectangles; the second is missing while it has not been drawn."""

    first: Rectangle
    second: Rectangle | None = None

    @model_validator(mode="after")
    def lie_on_two_views(self) -> Self:
        """Refuse two rectangles on one view: an inconsistency is between two."""
        if self.second is not None and self.second.view == self.first.view:
            raise ValueError("both rectangles of a pair are on one view")
        return self


class Answer(Message):
    """A task's answer so far: pairs, or that there is no inconsistency, and for how many seconds it was looked at."""

    pairs: Annotated[tuple[Marks, ...], Field(max_length=MAX_PAIRS, strict=False)] = ()
    none: bool = False
    seconds: Annotated[float, Field(ge=0, le=7 * 86400)] = 0.0

    @model_validator(mode="after")
    def makes_sense(self) -> Self:
        """Refuse pairs beside 'no inconsistency', and an unfinished pair that is not the last."""
        if self.none and self.pairs:
            raise ValueError("pairs beside 'no inconsistency'")
        if any(marks.second is None for marks in self.pairs[:-1]):
            raise ValueError("an unfinished pair before another")
        return self

    @property
    def complete(self) -> bool:
        """Whether it may be submitted: whole pairs, or the word that there is none."""
        return self.none or (bool(self.pairs) and self.pairs[-1].second is not None)

    @property
    def whole_pairs(self) -> tuple[Pair, ...]:
        """The pairs that have both rectangles, as they are exported."""
        return tuple(Pair(marks.first.box, marks.second.box) for marks in self.pairs if marks.second is not None)


class Sent(Message):
    """A change: the task's token, the revision that it was made on, and the answer as it is now."""

    task: Annotated[str, Field(min_length=1, max_length=64)]
    revision: Annotated[int, Field(ge=0)]
    answer: Answer


class RefusedError(ValueError):
    """A change that is not kept; the message says why."""


def read_sent(body: bytes) -> Sent:
    """Read a change; `RefusedError` where anything about it is wrong."""
    try:
        return Sent.model_validate_json(body)
    except ValidationError as error:
        raise RefusedError(error.errors()[0]["msg"]) from error


def check_views(answer: Answer, views: int) -> None:
    """Raise `RefusedError` for a rectangle on a view that the task does not have."""
    boxes = [box for marks in answer.pairs for box in (marks.first, marks.second) if box is not None]
    if any(box.view >= views for box in boxes):
        raise RefusedError("a rectangle on a view that there is not")
