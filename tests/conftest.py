"""Fixtures that every test may ask for."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of golden tensors and real photos beside the project, or a skip where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("the folder ../shared with golden tensors and real photos is absent")
    return folder


@pytest.fixture(scope="session")
def random_bundle_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mini bundle that was never trained, as `load_bundle("mini", weights=...)` reads it; not to be changed."""
    from mix2mix.mini.networks import save_random_bundle

    folder = tmp_path_factory.mktemp("random-bundle")
    save_random_bundle(folder, ["A man with curly hair in a grey jacket", "Turn him into a vampire"])
    return folder
