"""CLIP scores: hand-computed cases, a brute-force check in numpy, and properties."""

from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from benchmark.metrics import clip_cons, clip_cons_consecutive, clip_dir, clip_sim, view_pairs

X, Y, Z = torch.eye(3)


def test_sim_is_the_cosine_to_the_edited_prompt() -> None:
    views = torch.stack([X, 5 * (X + Y), -Z])
    torch.testing.assert_close(clip_sim(views, 3 * X), torch.tensor([1.0, 0.5**0.5, 0.0]))


def test_dir_compares_the_change_of_the_image_with_that_of_the_prompt() -> None:
    original, edited = torch.stack([X, X, X]), torch.stack([Y, X + Y, Z])
    # y - x against y - x; (x + y) / sqrt 2 - x against y - x; z - x against y - x
    half = 0.5**0.5
    second = (half + 1 - half) / (2 - 2 * half) ** 0.5 / 2**0.5
    torch.testing.assert_close(clip_dir(original, edited, X, Y), torch.tensor([1.0, second, 0.5]))


def test_features_are_normalised_before_any_difference() -> None:
    torch.testing.assert_close(clip_dir(9 * X[None], 2 * Y[None], 4 * X, 7 * Y), torch.tensor([1.0]))


def test_cons_takes_every_unordered_pair_once() -> None:
    assert view_pairs(4).tolist() == [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]
    original, edited = torch.stack([X, Y, Z]), torch.stack([X, Y, -Z])
    # x - y against x - y; x - z against x + z; y - z against y + z
    torch.testing.assert_close(clip_cons(original, edited), torch.tensor([1.0, 0.0, 0.0]))


def test_consecutive_cons_compares_the_edits_of_neighbours_only() -> None:
    original, edited = torch.stack([X, X, X]), torch.stack([Y, Y, Z])
    # y - x against y - x; y - x against z - x
    torch.testing.assert_close(clip_cons_consecutive(original, edited), torch.tensor([1.0, 0.5]))


def test_a_direction_of_zero_length_scores_zero() -> None:
    views = torch.stack([X, Y])
    assert clip_dir(views, views, X, Y).tolist() == [0.0, 0.0]
    assert clip_dir(views, views.flip(0), X, X).tolist() == [0.0, 0.0]
    assert clip_cons(views, torch.stack([Z, Z])).tolist() == [0.0]
    assert clip_cons_consecutive(views, views).tolist() == [0.0]


def test_an_unedited_set_has_full_cons_and_no_dir() -> None:
    views = torch.randn(4, 16, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(clip_cons(views, views), torch.ones(6))
    assert clip_dir(views, views, views[0], views[1]).tolist() == [0.0] * 4


features = st.builds(
    lambda seed, views: torch.randn(2 * views + 2, 8, generator=torch.Generator().manual_seed(seed)),
    st.integers(0, 2**31),
    st.integers(2, 8),
)


@given(features)
def test_all_scores_agree_with_brute_force(drawn: Tensor) -> None:
    views = (len(drawn) - 2) // 2
    original, edited, (p, q) = drawn[:views], drawn[views:-2], drawn[-2:]
    o, e = ([_unit(v) for v in group] for group in (original.numpy(), edited.numpy()))
    prompt = _unit(q.numpy()) - _unit(p.numpy())
    expected = {
        clip_sim: [float(e[i] @ _unit(q.numpy())) for i in range(views)],
        clip_dir: [_cos(e[i] - o[i], prompt) for i in range(views)],
        clip_cons: [_cos(o[i] - o[j], e[i] - e[j]) for i, j in combinations(range(views), 2)],
        clip_cons_consecutive: [_cos(e[i] - o[i], e[i + 1] - o[i + 1]) for i in range(views - 1)],
    }
    found = {
        clip_sim: clip_sim(edited, q),
        clip_dir: clip_dir(original, edited, p, q),
        clip_cons: clip_cons(original, edited),
        clip_cons_consecutive: clip_cons_consecutive(original, edited),
    }
    for name, values in found.items():
        np.testing.assert_allclose(values.numpy(), expected[name], atol=1e-5)


@given(features, st.floats(0.01, 100.0))
def test_scores_lie_within_one_and_ignore_the_scale_of_features(drawn: Tensor, scale: float) -> None:
    views = (len(drawn) - 2) // 2
    original, edited = drawn[:views], drawn[views:-2]
    cons = clip_cons(original, edited)
    assert cons.abs().max() <= 1 + 1e-6
    torch.testing.assert_close(clip_cons(original * scale, edited), cons, atol=1e-4, rtol=0)


def test_half_precision_features_are_scored_in_fp32() -> None:
    drawn = torch.randn(6, 8, generator=torch.Generator().manual_seed(1)).half()
    assert clip_cons(drawn[:3], drawn[3:]).dtype == torch.float32


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector.astype(np.float64) / np.sqrt((vector.astype(np.float64) ** 2).sum())


def _cos(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


@pytest.mark.parametrize("views", [2, 8])
def test_the_number_of_pairs(views: int) -> None:
    assert len(view_pairs(views)) == views * (views - 1) // 2
