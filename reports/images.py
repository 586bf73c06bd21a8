"""Saved views as thumbnails inside a page. No torch."""

from base64 import b64encode
from io import BytesIO
from pathlib import Path

from PIL import Image, UnidentifiedImageError

LARGEST_SIDE = 320
"""Pixels: twice what a view takes on the page, for sharp screens."""

QUALITY = 90


def data_uri(path: Path) -> str | None:
    """A thumbnail of an image file as a JPEG data URI; None where there is no such image."""
    try:
        with Image.open(path) as image:
            thumbnail = image.convert("RGB")
    except (OSError, UnidentifiedImageError):
        return None
    thumbnail.thumbnail((LARGEST_SIDE, LARGEST_SIDE), Image.Resampling.LANCZOS)
    buffer = BytesIO()
    thumbnail.save(buffer, format="jpeg", quality=QUALITY, subsampling=0, optimize=True)
    return f"data:image/jpeg;base64,{b64encode(buffer.getvalue()).decode('ascii')}"
