"""DGE's attention: who copies from whom, at which tokens, and what the keys do among themselves."""

from itertools import pairwise
from math import exp

import pytest
import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

from baselines.dge_attention import JointAttention, Source, best_matches, groups_by_angle, sources
from baselines.epipolar import epipolar_lines, near_lines
from mix2mix.cameras import Cameras
from mix2mix.mini.world import FAMILIES, held_out_scene

GRID, WIDTH = 4, 6


class Layer(nn.Module):
    """A self-attention of two heads whose projections are the identity."""

    def __init__(self):
        super().__init__()
        self.heads = 2
        self.to_q, self.to_k, self.to_v = nn.Identity(), nn.Identity(), nn.Identity()
        self.to_out = nn.ModuleList([nn.Identity()])


def tokens(views, seed=0):
    return torch.randn(3 * views, GRID * GRID, WIDTH, generator=torch.Generator().manual_seed(seed))


def attended(queries, others):
    def heads(x):
        return x.unflatten(-1, (2, -1)).transpose(-2, -3)

    return scaled_dot_product_attention(heads(queries), heads(others), heads(others)).transpose(-2, -3).flatten(-2)


def test_keys_attend_to_all_keys_within_each_branch(face):
    attention, hidden = JointAttention(face.cameras), tokens(2)
    attention.pass_keys([1, 3])
    mixed = attention(Layer(), hidden).view(3, 2, GRID * GRID, WIDTH)
    for branch in range(3):
        together = hidden.view(3, 2, GRID * GRID, WIDTH)[branch].flatten(0, 1)
        torch.testing.assert_close(mixed[branch].flatten(0, 1), attended(together, together))


def test_in_a_plain_pass_each_view_attends_to_itself(face):
    attention, hidden = JointAttention(face.cameras), tokens(4)
    attention.plain()
    torch.testing.assert_close(attention(Layer(), hidden), attended(hidden, hidden))


def test_a_key_view_copies_its_own_outputs(face):
    attn, attention, hidden = Layer(), JointAttention(face.cameras), tokens(4)
    branches = hidden.view(3, 4, GRID * GRID, WIDTH)
    attention.pass_keys([1, 3])
    outputs = attention(attn, branches[:, [1, 3]].flatten(0, 1)).view(3, 2, GRID * GRID, WIDTH)
    attention.pass_views([Source((0,)), Source((0,)), Source((1,)), Source((1,))])
    copied = attention(attn, hidden).view_as(branches)
    torch.testing.assert_close(copied[:, 1], outputs[:, 0])
    torch.testing.assert_close(copied[:, 3], outputs[:, 1])


def test_a_view_copies_at_its_matches_near_its_lines_and_blends_two_keys(face):
    attn, attention, hidden = Layer(), JointAttention(face.cameras), tokens(4)
    branches = hidden.view(3, 4, GRID * GRID, WIDTH)
    attention.pass_keys([1, 3])
    outputs = attention(attn, branches[:, [1, 3]].flatten(0, 1)).view(3, 2, GRID * GRID, WIDTH)
    attention.pass_views([Source((0,)), Source((0,)), Source((1, 0), share=0.7), Source((1,))])
    copied = attention(attn, hidden).view_as(branches)
    lines = epipolar_lines(face.cameras, GRID)
    at = {
        key: best_matches(branches[1, 2], branches[1, view], near_lines(lines[2, view], GRID))
        for key, view in ((0, 1), (1, 3))
    }
    for branch in range(3):
        expected = 0.7 * outputs[branch, 1, at[1]] + 0.3 * outputs[branch, 0, at[0]]
        torch.testing.assert_close(copied[branch, 2], expected)


def test_a_match_is_the_most_alike_of_those_allowed_whatever_the_lengths():
    looking = torch.tensor([[1.0, 0.0], [0.0, 2.0], [1.0, 0.1]])
    others = torch.tensor([[0.0, 9.0], [0.1, 0.0], [5.0, 5.0]])
    everywhere = torch.ones(3, 3, dtype=torch.bool)
    assert best_matches(looking, others, everywhere).tolist() == [1, 0, 1]
    some = torch.tensor([[True, False, True], [True, True, True], [False, False, False]])
    assert best_matches(looking, others, some).tolist() == [2, 0, 1]  # none allowed: all are


@pytest.mark.parametrize("name", ["face", "bear"])
def test_views_are_grouped_by_their_angle_around_the_scene(name):
    azimuths = FAMILIES[name].rig.held_out[:8]
    groups = groups_by_angle(held_out_scene(name, 8).cameras, 2)
    ordered = [azimuths[view] for group in groups for view in group]
    turns = sum(a > b for a, b in pairwise(ordered))
    assert [len(group) for group in groups] == [2, 2, 2, 2]
    assert sorted(view for group in groups for view in group) == list(range(8))
    assert turns <= 1 or ordered == sorted(ordered, reverse=True)


def test_a_group_that_is_not_full_comes_last(face):
    assert [len(group) for group in groups_by_angle(face.cameras[:3], 2)] == [2, 1]


def on_a_line(*places):
    c2w = torch.eye(4).repeat(len(places), 1, 1)
    c2w[:, 0, 3] = torch.tensor(places)
    return Cameras(torch.eye(3).repeat(len(places), 1, 1), c2w)


def test_views_of_the_first_group_copy_from_the_nearest_key_the_others_from_two():
    """Cameras at 0, 1, 2 and 4, keys 1 and 2: view 3 is 2 from the one and 3 from the other."""
    made = sources(on_a_line(0.0, 1.0, 2.0, 4.0), [[0, 1], [2, 3]], [1, 2])
    assert made[:2] == [Source((0,)), Source((0,))]
    assert (made[2].keys, made[3].keys) == ((1, 0), (1, 0))
    assert made[2].share == pytest.approx(1 / (1 + exp(-1)), rel=1e-5)  # at its own key: sigmoid(1)
    assert made[3].share == pytest.approx(float(torch.sigmoid(torch.tensor(3 / 5))), rel=1e-5)
