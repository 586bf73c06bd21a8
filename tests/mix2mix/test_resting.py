"""A network is where it works for as long as it works; what rests is never copied back."""

import pytest
import torch
from torch import nn

from mix2mix import pretrained
from mix2mix.bundles import load_bundle
from mix2mix.resting import awake


def places(network):
    return [tensor.data_ptr() for tensor in (*network.parameters(), *network.buffers())]


@pytest.fixture
def network():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).eval().requires_grad_(False)


def test_a_network_that_is_there_already_just_stays(network):
    before = places(network)
    with torch.inference_mode(), awake(network, "cpu"):
        assert places(network) == before
        network(torch.ones(1, 3, 4, 4))
    assert places(network) == before
    x = torch.ones(1, 3, 4, 4, requires_grad=True)
    network(x).sum().backward()  # no tensor of inference mode was left in it
    assert x.grad is not None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("fails", [False, True])
def test_it_comes_to_the_gpu_and_its_own_memory_is_its_again_afterwards(network, fails):
    before, x = places(network), torch.randn(1, 3, 4, 4)
    expected = network(x)
    try:
        with torch.inference_mode(), awake(network, "cuda"):
            torch.testing.assert_close(network(x.cuda()).cpu(), expected, rtol=1e-2, atol=1e-2)
            if fails:
                raise InterruptedError
    except InterruptedError:
        pass
    assert places(network) == before
    assert torch.equal(network(x), expected)


def test_the_student_is_at_work_while_it_samples_and_a_clip_while_it_makes_features(random_bundle_folder, monkeypatch):
    called = []

    def watched(network, device):
        called.append((network, str(device)))
        return awake(network, device)

    monkeypatch.setattr(pretrained, "awake", watched)
    monkeypatch.setattr("mix2mix.resting.awake", watched)
    bundle = load_bundle("mini", weights=random_bundle_folder)
    with bundle.sampling():
        pass
    clip = bundle.metric_clip.rest_on("cpu")
    clip.image_features(torch.rand(1, 3, 32, 32))
    clip.text_features(["a"])
    assert called == [(bundle.student, "cpu"), (clip.module, "cpu"), (clip.module, "cpu")]
