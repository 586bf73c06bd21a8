"""All views look at one."""

import math

import pytest
import torch

from mix2mix.attention import (
    CrossViewProcessor,
    CrossViewState,
    ExtendedProcessor,
    cross_view_attention,
    extended_attention,
    steady_context,
)
from mix2mix.branches import BRANCHES
from mix2mix.bundles import load_bundle

VIEWS, TOKENS, WIDTH = 3, 5, 8


@pytest.fixture(scope="module")
def editor(random_bundle_folder):
    return load_bundle("mini", weights=random_bundle_folder).teacher.editor


@pytest.fixture(scope="module")
def layer():
    from diffusers.models.attention_processor import Attention

    torch.manual_seed(0)
    return Attention(query_dim=WIDTH, heads=2, dim_head=4).requires_grad_(False)


def attend(layer, tokens, views, kappa):
    layer.set_processor(CrossViewProcessor(CrossViewState(views, torch.tensor(kappa))))
    return layer(tokens)


def tokens_of(views=VIEWS, seed=1):
    return torch.randn(BRANCHES * views, TOKENS, WIDTH, generator=torch.Generator().manual_seed(seed))


def predict(editor, latents, text):
    with torch.no_grad():
        return editor.noise(latents, torch.tensor(500), text)


@pytest.fixture(scope="module")
def unet_input(editor):
    generator = torch.Generator().manual_seed(2)
    latents = torch.randn(BRANCHES * VIEWS, 8, 16, 16, generator=generator)
    text = editor.text_states(editor.tokens(["a vampire"])).detach().expand(BRANCHES * VIEWS, -1, -1)
    return latents, text


def changed_views(before, after):
    """Views that differ in every branch; those that differ in some only would show up in neither list."""
    differs = (before != after).flatten(1).any(1).view(BRANCHES, VIEWS)
    assert torch.equal(differs.all(0), differs.any(0))
    return differs.all(0).nonzero().flatten().tolist()


@pytest.mark.parametrize("kappa", range(VIEWS))
def test_every_query_attends_to_view_kappa_of_its_own_branch(layer, kappa):
    tokens = tokens_of()
    mixed = attend(layer, tokens, VIEWS, kappa)
    for sample in range(len(tokens)):
        looked_at = tokens[sample // VIEWS * VIEWS + kappa]
        heads = []
        for head in (slice(0, 4), slice(4, 8)):
            query = tokens[sample] @ layer.to_q.weight[head].T
            key, value = looked_at @ layer.to_k.weight[head].T, looked_at @ layer.to_v.weight[head].T
            heads.append(torch.softmax(query @ key.T / math.sqrt(4), dim=-1) @ value)
        torch.testing.assert_close(mixed[sample], layer.to_out[0](torch.cat(heads, dim=-1)), rtol=1e-5, atol=1e-6)


def test_the_tokens_of_view_kappa_reach_all_views_and_those_of_another_only_itself(layer):
    tokens = tokens_of()
    before = attend(layer, tokens, VIEWS, kappa=1)
    for view, reached in [(0, [0]), (1, [0, 1, 2]), (2, [2])]:
        moved = tokens.clone()
        moved.view(BRANCHES, VIEWS, TOKENS, WIDTH)[:, view] += 1
        assert changed_views(before, attend(layer, moved, VIEWS, kappa=1)) == reached


def test_one_view_alone_is_plain_attention(layer):
    from diffusers.models.attention_processor import AttnProcessor2_0

    tokens = tokens_of(views=1)
    mixed = attend(layer, tokens, 1, kappa=0)
    layer.set_processor(AttnProcessor2_0())
    torch.testing.assert_close(mixed, layer(tokens))


def test_branches_may_be_missing(layer):
    whole = attend(layer, tokens_of(), VIEWS, kappa=1)
    torch.testing.assert_close(attend(layer, tokens_of()[VIEWS:], VIEWS, kappa=1), whole[VIEWS:])


def test_a_batch_that_is_not_branches_of_the_views_is_refused(layer):
    with pytest.raises(RuntimeError, match="multiply up"):
        attend(layer, tokens_of()[:7], VIEWS, kappa=0)


def test_in_the_unet_view_kappa_changes_the_others_and_no_view_does_without(editor, unet_input):
    latents, text = unet_input
    moved = latents.clone()
    moved.view(BRANCHES, VIEWS, 8, 16, 16)[:, 1] += 1
    plain = predict(editor, latents, text), predict(editor, moved, text)
    with cross_view_attention(editor, CrossViewState(VIEWS, torch.tensor(1))):
        crossed = predict(editor, latents, text), predict(editor, moved, text)
    assert changed_views(*plain) == [1]
    assert changed_views(*crossed) == [0, 1, 2]


def test_kappa_is_changed_in_place_and_matters(editor, unet_input):
    state = CrossViewState(VIEWS, torch.tensor(0))
    with cross_view_attention(editor, state):
        first = predict(editor, *unet_input)
        state.kappa.fill_(2)
        second = predict(editor, *unet_input)
    # No view is spared: even the views that are looked at change through what the other layers pass on.
    assert changed_views(first, second) == [0, 1, 2]


def test_afterwards_all_is_as_before_even_after_an_error(editor, unet_input):
    before = predict(editor, *unet_input)
    processors = dict(editor.unet.attn_processors)
    with pytest.raises(RuntimeError), cross_view_attention(editor, CrossViewState(VIEWS + 1, torch.tensor(0))):
        predict(editor, *unet_input)
    assert editor.unet.attn_processors == processors
    assert torch.equal(predict(editor, *unet_input), before)


def test_cross_attention_to_the_text_is_left_alone(editor):
    before = dict(editor.unet.attn_processors)
    with cross_view_attention(editor, CrossViewState(VIEWS, torch.tensor(0))):
        during = dict(editor.unet.attn_processors)
    assert {name for name in before if during[name] is not before[name]} == {name for name in before if "attn1" in name}


# --- a context that does not change ----------------------------------------------------------------------------------


def test_of_a_steady_context_keys_and_values_are_computed_once_and_nothing_else_changes(
    editor, unet_input, monkeypatch
):
    latents, text = unet_input
    text = text + torch.randn(text.shape, generator=torch.Generator().manual_seed(3))  # each sample is told its own
    crossed = [layer for name, layer in editor.unet.named_modules() if name.endswith("attn2")]
    plain, before = predict(editor, latents, text), dict(editor.unet.attn_processors)
    with steady_context(editor, text):
        for layer in crossed:
            monkeypatch.setattr(layer.to_k, "forward", None)
            monkeypatch.setattr(layer.to_v, "forward", None)
        assert torch.equal(predict(editor, latents, text), plain)
        changed = {name for name, processor in editor.unet.attn_processors.items() if processor is not before[name]}
    assert changed == {name for name in before if "attn2" in name}
    assert editor.unet.attn_processors == before


# --- extended attention ----------------------------------------------------------------------------------------------


def extend(layer, tokens, views):
    layer.set_processor(ExtendedProcessor(views))
    return layer(tokens)


def test_extended_attention_is_plain_attention_over_the_tokens_of_all_views_of_a_branch(layer):
    from diffusers.models.attention_processor import AttnProcessor2_0

    tokens = tokens_of()
    extended = extend(layer, tokens, VIEWS)
    layer.set_processor(AttnProcessor2_0())
    for branch in range(BRANCHES):
        own = slice(branch * VIEWS, (branch + 1) * VIEWS)
        alone = layer(tokens[own].reshape(1, VIEWS * TOKENS, WIDTH))
        torch.testing.assert_close(extended[own], alone.view(VIEWS, TOKENS, WIDTH))


def test_in_extended_attention_every_view_reaches_every_view_of_its_branch_and_no_other_branch(layer):
    tokens = tokens_of()
    before = extend(layer, tokens, VIEWS)
    for view in range(VIEWS):
        moved = tokens.clone()
        moved.view(BRANCHES, VIEWS, TOKENS, WIDTH)[:, view] += 1
        assert changed_views(before, extend(layer, moved, VIEWS)) == [0, 1, 2]
    moved = tokens.clone()
    moved[0] += 1  # a view of the first branch alone
    differs = (before != extend(layer, moved, VIEWS)).flatten(1).any(1).view(BRANCHES, VIEWS)
    assert differs.tolist() == [[True] * VIEWS, [False] * VIEWS, [False] * VIEWS]


def test_extended_attention_reaches_all_views_of_the_unet_and_is_taken_out_again(editor, unet_input):
    latents, text = unet_input
    moved = latents.clone()
    moved.view(BRANCHES, VIEWS, 8, 16, 16)[:, 1] += 1
    processors = dict(editor.unet.attn_processors)
    with extended_attention(editor, VIEWS):
        during = dict(editor.unet.attn_processors)
        assert changed_views(predict(editor, latents, text), predict(editor, moved, text)) == [0, 1, 2]
    assert {name for name in during if isinstance(during[name], ExtendedProcessor)} == {
        name for name in during if "attn1" in name
    }
    assert editor.unet.attn_processors == processors
