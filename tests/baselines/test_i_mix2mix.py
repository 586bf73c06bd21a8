"""I-Mix2Mix as a benchmarked method: the distiller is given the settings of bundle and request."""

import pytest

from baselines import i_mix2mix
from baselines.i_mix2mix import IMix2Mix
from mix2mix.distill import DistillResult


@pytest.fixture
def configs(monkeypatch):
    """What the distiller was given; it edits nothing."""
    seen = []

    def distill(scene, edit, bundle, config, *rest):
        seen.append(config)
        return DistillResult(scene.images, 1, {"edit": 2.0}, {"student": 3}, {"kept": "small"})

    monkeypatch.setattr(i_mix2mix, "distill", distill)
    return seen


def test_an_untrained_bundle_learns_slowly(ask, configs):
    IMix2Mix().edit(ask(settings={"k": 20}))
    assert configs[0].plan.k == 20
    assert configs[0].plan.lr_max == pytest.approx(1e-6)


def test_the_reference_is_among_the_notes(ask, configs):
    request = ask()
    result = IMix2Mix().edit(request)
    assert result.views is request.scene.images
    assert (result.timings, result.counts) == ({"edit": 2.0}, {"student": 3})
    assert result.notes == {"reference": 1, "kept": "small"}
