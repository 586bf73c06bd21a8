"""Where views disagree: hand-computed on a wall before two cameras a few pixels apart."""

from io import BytesIO
from types import SimpleNamespace

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmark.reprojection import reprojection
from benchmark.reprojection_maps import error_maps, map_files
from mix2mix.cameras import Cameras

SIZE, SHIFT = 32, 4
DEPTH = torch.full((2, SIZE, SIZE), 4.0)


def two_cameras() -> Cameras:
    """A step of 0.5 along x before a wall at depth 4, with a focal length of 32 px: the wall moves by 4 px."""
    K = torch.tensor([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]]).repeat(2, 1, 1)
    c2w = torch.eye(4).repeat(2, 1, 1)
    c2w[1, 0, 3] = 0.5
    return Cameras(K, c2w)


def one_wall() -> Tensor:
    wall = torch.rand(3, SIZE, SIZE + SHIFT, generator=torch.Generator().manual_seed(0))
    return torch.stack([wall[..., :SIZE], wall[..., SHIFT:]])


def test_views_of_one_wall_agree_where_both_see_it() -> None:
    maps = error_maps(one_wall(), two_cameras(), DEPTH)
    assert maps.shape == (2, SIZE, SIZE)
    assert maps[0, :, :SHIFT].isnan().all()  # left of what the second camera sees
    assert maps[1, :, -SHIFT:].isnan().all()
    assert maps[0, :, SHIFT:].abs().max() < 1e-6


def test_a_spot_in_one_view_is_an_error_at_its_place_in_both() -> None:
    views = one_wall()
    views[0, :, 10, 20] = 1 - views[0, :, 10, 20].round()
    expected = (views[0, :, 10, 20] - views[1, :, 10, 16]).abs().mean()
    maps = error_maps(views, two_cameras(), DEPTH)
    torch.testing.assert_close(maps[0, 10, 20].float(), expected)
    torch.testing.assert_close(maps[1, 10, 16].float(), expected)
    assert int((maps.nan_to_num() > 1e-6).sum()) == 2


def test_the_mean_of_a_map_is_the_reprojection_error() -> None:
    views = one_wall() * torch.tensor([1.0, 0.5]).view(2, 1, 1, 1)
    found = reprojection(views, two_cameras(), DEPTH, torch.ones_like(DEPTH, dtype=torch.bool))
    assert found is not None
    means = error_maps(views, two_cameras(), DEPTH).nanmean(dim=(1, 2))
    torch.testing.assert_close(means, torch.tensor([pair.error for pair in found.pairs], dtype=torch.float64))


def test_where_there_is_nothing_there_is_no_error() -> None:
    depth = DEPTH.clone()
    depth[:, :8] = torch.inf
    assert error_maps(one_wall(), two_cameras(), depth)[:, :8].isnan().all()


def test_every_view_has_a_file() -> None:
    pixels = [np.full((SIZE, SIZE, 3), level, dtype=np.uint8) for level in (0, 51)]
    files = map_files(pixels, two_cameras(), SimpleNamespace(depth=DEPTH, subject=DEPTH > 0))
    assert list(files) == ["reprojection_0.png", "reprojection_1.png"]
    with Image.open(BytesIO(files["reprojection_0.png"])) as image:
        assert image.getpixel((20, 10)) == (51, 255)
        assert image.getpixel((0, 10)) == (0, 0)
