"""Attention among tokens is the textbook's, in chunks, compiled, and where there is one token to look at."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from mix2mix import token_blocks
from mix2mix.token_blocks import Attention


def reference_attention(layer: Attention, x: Tensor, context: Tensor) -> Tensor:
    """The textbook formula, head by head."""
    q, k, v = layer.to_q(x), layer.to_k(context), layer.to_v(context)
    heads = []
    for part in torch.arange(q.shape[-1]).chunk(layer.heads):
        scores = q[..., part] @ k[..., part].transpose(1, 2) / len(part) ** 0.5
        heads.append(scores.softmax(dim=-1) @ v[..., part])
    return layer.to_out(torch.cat(heads, dim=-1))


@pytest.mark.parametrize("tokens", [1, 7])
def test_attention_is_the_textbook_s_also_for_a_context_of_one_token(tokens: int):
    torch.manual_seed(0)
    layer, x, context = Attention(32, 24, 16), torch.randn(2, 5, 32), torch.randn(2, tokens, 24)
    torch.testing.assert_close(
        layer(x, context).expand(-1, 5, -1), reference_attention(layer, x, context), rtol=1e-5, atol=1e-6
    )


def test_attention_beyond_the_grid_of_flash_attention_is_chunked(monkeypatch: pytest.MonkeyPatch):
    torch.manual_seed(0)
    layer, x = Attention(32, 32, 16), torch.randn(11, 5, 32)
    whole = layer(x, x)
    batches = []
    attend = F.scaled_dot_product_attention
    monkeypatch.setattr(token_blocks, "MAX_ATTENTION_BATCH", 9)
    monkeypatch.setattr(F, "scaled_dot_product_attention", lambda q, k, v: batches.append(len(q)) or attend(q, k, v))
    torch.testing.assert_close(layer(x, x), whole)
    assert batches == [4, 4, 3]


@pytest.mark.filterwarnings("ignore:The .grad attribute:UserWarning")  # the compiler looks for one
@pytest.mark.parametrize("tokens", [5, 30])
def test_compiled_self_attention_has_the_same_gradients(tokens: int):
    """In one product, and for few tokens in sums."""
    torch._dynamo.reset()
    torch.manual_seed(0)
    layer, x = Attention(32, 32, 16), torch.randn(2, tokens, 32, requires_grad=True)
    wanted, weights = [x, *layer.parameters()], torch.randn(2, tokens, 32)
    found, plain = (
        (y, *torch.autograd.grad((y * weights).sum(), wanted))
        for y in (torch.compile(layer, backend="aot_eager", fullgraph=True)(x, x), layer(x, x))
    )
    for ours, own in zip(found, plain, strict=True):
        torch.testing.assert_close(ours, own, rtol=1e-4, atol=1e-5)
