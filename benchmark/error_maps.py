"""How maps of reprojection errors are saved in the folder of a cell: grey levels, clear where nobody knows. No torch.

A map is a picture of a score, made from the views and the true geometry when the cell is scored; it is no result.
"""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Errors = NDArray[np.floating]
"""An error in [0, 1] for every pixel [H, W]; NaN where there is none."""


def map_name(index: int) -> str:
    """The file name of a view's map in the folder of its cell."""
    return f"reprojection_{index}.png"


def encode_map(errors: Errors) -> bytes:
    """A map as the bytes of a PNG file: 255 levels of grey for errors of 0 to 1, alpha 0 for NaN."""
    known = np.isfinite(errors)
    grey = np.where(known, errors, 0).clip(0, 1) * 255
    layers = np.stack([grey.round(), known * 255.0], axis=-1).astype(np.uint8)
    buffer = BytesIO()
    Image.fromarray(layers).save(buffer, format="png", optimize=True)
    return buffer.getvalue()
