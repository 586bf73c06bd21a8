"""Fixtures that every test may ask for."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from torch.fx import GraphModule

    from mix2mix.programs import Programs

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


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


@pytest.fixture
def made() -> "list[GraphModule]":
    """The graphs that `programs` were made of."""
    return []


@pytest.fixture
def programs(made: "list[GraphModule]", tmp_path: Path) -> "Programs":
    """Compiled programs that compute operation by operation; each is noted when it is made."""
    import torch
    from torch._dynamo.aot_compile_types import GraphModuleSerializableCallable

    from mix2mix.programs import Programs

    torch._dynamo.reset()
    return Programs(tmp_path, lambda graph, inputs: made.append(graph) or GraphModuleSerializableCallable(graph))


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """A browser that asks nobody anything, or a skip where none is installed."""
    from playwright.sync_api import sync_playwright

    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=QUIET)
        yield browser
        browser.close()
