"""The guidance branches as one batch, whose first layers are computed once for two of them."""

from contextlib import nullcontext

import pytest
import torch

from mix2mix.attention import CrossViewState, cross_view_attention, extended_attention
from mix2mix.branches import BRANCHES, in_branches, shared_beginning
from mix2mix.bundles import load_bundle

VIEWS = 3


@pytest.fixture(scope="module")
def teacher(random_bundle_folder):
    return load_bundle("mini", weights=random_bundle_folder).teacher


def predicted(teacher):
    generator = torch.Generator().manual_seed(0)
    z_t, images = (torch.randn(VIEWS, 4, 16, 16, generator=generator) for _ in range(2))
    return teacher.predict_noise(z_t, torch.tensor(500), images, teacher.embed("Turn him into a knight"), 7.5, 1.5)


def samples_seen(monkeypatch):
    """Samples that each kind of layer is given while a noise is predicted, first layer first."""
    from diffusers.models.attention_processor import Attention
    from diffusers.models.resnet import ResnetBlock2D

    seen = {Attention: [], ResnetBlock2D: []}
    for kind, samples in seen.items():
        forward = kind.forward
        monkeypatch.setattr(
            kind, "forward", lambda self, x, *a, f=forward, s=samples, **k: (s.append(len(x)), f(self, x, *a, **k))[1]
        )
    return seen


def test_the_first_branch_is_told_the_text_and_the_others_nothing():
    told = in_branches(torch.tensor([[[1.0]], [[2.0]]]), VIEWS)
    assert told.flatten().tolist() == [1.0] * VIEWS + [2.0] * 2 * VIEWS


@pytest.mark.parametrize(
    "attention",
    [
        lambda teacher: nullcontext(),
        lambda teacher: cross_view_attention(teacher, CrossViewState(VIEWS, torch.tensor(1))),
        lambda teacher: extended_attention(teacher, VIEWS),
    ],
    ids=["plain", "crossed", "extended"],
)
def test_the_noise_is_the_same(teacher, attention):
    with attention(teacher):
        apart = predicted(teacher)
        with shared_beginning(teacher):
            torch.testing.assert_close(predicted(teacher), apart, rtol=1e-4, atol=1e-5)
        assert torch.equal(predicted(teacher), apart)


def test_two_branches_share_the_first_block_and_the_first_attention(teacher, monkeypatch):
    seen = samples_seen(monkeypatch)
    with shared_beginning(teacher):
        predicted(teacher)
    for first, *later in seen.values():
        assert first == (BRANCHES - 1) * VIEWS
        assert set(later) == {BRANCHES * VIEWS}
