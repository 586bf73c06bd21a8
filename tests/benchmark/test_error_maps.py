"""Maps of errors as files: levels, and what nobody knows."""

from io import BytesIO

import numpy as np
from PIL import Image

from benchmark.error_maps import encode_map, map_name


def test_a_map_has_a_level_for_every_error_and_is_clear_where_there_is_none() -> None:
    errors = np.array([[0.0, 0.2, 1.0], [np.nan, 0.5, 1.7]])
    with Image.open(BytesIO(encode_map(errors))) as image:
        assert image.mode == "LA"
        levels = np.asarray(image)
    np.testing.assert_array_equal(levels[..., 0], [[0, 51, 255], [0, 128, 255]])
    np.testing.assert_array_equal(levels[..., 1], [[255, 255, 255], [0, 255, 255]])


def test_a_map_is_named_after_its_view() -> None:
    assert map_name(3) == "reprojection_3.png"
