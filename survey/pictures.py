"""The pictures that raters see: pixels alone, without a trace of the method that made them. No torch.

Every picture is decoded and written again as PNG, without metadata; the views of an edit all have one size, so that
neither format nor size tells a method.
"""

import warnings
from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

from mix2mix.errors import InputError
from survey.boxes import Box

MARK_SIZE = 0.24
"""Diameter of the planted mark, as a part of the shorter side."""

STRIPES = ("#ff00c8", "#00e04b", "#ffe600")
ASPECT_TOLERANCE = 0.01


def read_picture(path: Path) -> Image.Image:
    """A picture upright, in RGB; InputError where it cannot be read."""
    try:
        with warnings.catch_warnings(), Image.open(path) as image:
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        expected, fix = "a picture that can be read", "Replace the file."
        raise InputError(f"picture {path}", got=str(error), expected=expected, fix=fix) from error


def same_size(what: str, pictures: Sequence[Sequence[Image.Image]]) -> list[list[Image.Image]]:
    """Sets of pictures, all scaled to the smallest of them; InputError where their shapes differ."""
    sizes = {picture.size for views in pictures for picture in views}
    aspects = [width / height for width, height in sizes]
    if max(aspects) > min(aspects) * (1 + ASPECT_TOLERANCE):
        got = ", ".join(f"{width} x {height}" for width, height in sorted(sizes))
        fix = "Crop them alike, so that raters cannot tell a method by the shape."
        raise InputError(f"views of {what}", got=got, expected="one shape for all methods", fix=fix)
    smallest = min(sizes)
    return [[_scaled(picture, smallest) for picture in views] for views in pictures]


def bare_png(picture: Image.Image) -> bytes:
    """The pixels as a PNG file without metadata."""
    bare = Image.frombytes("RGB", picture.size, picture.tobytes())
    buffer = BytesIO()
    bare.save(buffer, format="png")
    return buffer.getvalue()


def with_mark(picture: Image.Image, view: int, centre: tuple[float, float]) -> tuple[Image.Image, Box]:
    """The picture with a striped ball around the centre (parts of width and height), and where it is."""
    width, height = picture.size
    radius = round(MARK_SIZE / 2 * min(width, height))
    left, top = round(centre[0] * width) - radius, round(centre[1] * height) - radius
    side = 2 * radius
    ball = _striped(side)
    outline = Image.new("L", (side, side))
    ImageDraw.Draw(outline).ellipse((0, 0, side - 1, side - 1), fill=255)
    marked = picture.copy()
    marked.paste(ball, (left, top), outline)
    return marked, Box(view, left / width, top / height, side / width, side / height)


def covered(part: Box, boxes: Iterable[Box]) -> float:
    """The largest share of a rectangle that one of the boxes on the same view covers, 0 to 1."""
    shares = [_overlap(part, box) / (part.w * part.h) for box in boxes if box.view == part.view]
    return max(shares, default=0.0)


def _scaled(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    return picture if picture.size == size else picture.resize(size, Image.Resampling.LANCZOS)


def _striped(side: int) -> Image.Image:
    ball = Image.new("RGB", (side, side))
    draw = ImageDraw.Draw(ball)
    stripe = max(1, side // 6)
    for index, left in enumerate(range(0, side, stripe)):
        draw.rectangle((left, 0, left + stripe, side), fill=STRIPES[index % len(STRIPES)])
    draw.ellipse((0, 0, side - 1, side - 1), outline="black", width=max(1, side // 20))
    return ball


def _overlap(one: Box, other: Box) -> float:
    width = min(one.x + one.w, other.x + other.w) - max(one.x, other.x)
    height = min(one.y + one.h, other.y + other.h) - max(one.y, other.y)
    return max(0.0, width) * max(0.0, height)
