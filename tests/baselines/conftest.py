"""What the methods are tried on: the held-out face, an edit of it, and a bundle that was never trained."""

from collections.abc import Callable

import pytest

from baselines.api import EditRequest
from mix2mix.bundles import load_bundle
from mix2mix.edit import Edit
from mix2mix.mini.world import held_out_scene

EDIT = Edit("Turn him into a vampire", "A man with curly hair in a grey jacket", "A vampire with curly hair")


@pytest.fixture(scope="session")
def bundle(random_bundle_folder):
    return load_bundle("mini", weights=random_bundle_folder)


@pytest.fixture(scope="session")
def face():
    return held_out_scene("face", 4)


@pytest.fixture(scope="session")
def ask(bundle, face) -> Callable[..., EditRequest]:
    """Makes a request, by default for the face with seed 0."""

    def make(seed=0, settings=None, scene=None, progress=lambda *_: None):
        return EditRequest(scene or face, EDIT, bundle, seed, "cpu", progress, settings or {})

    return make
