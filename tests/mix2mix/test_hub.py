"""What is asked of the hub, without a network."""

import pytest
from huggingface_hub import constants
from huggingface_hub.errors import GatedRepoError

from mix2mix import hub


class NotAcceptedError(GatedRepoError):
    """The client's own, which would want a response."""

    def __init__(self):
        Exception.__init__(self, "403")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache that holds `a/b` of `someone/models`, laid out as the hub's client does."""
    repository = tmp_path / "models--someone--models"
    snapshot = repository / "snapshots" / "0123" / "a"
    for folder in (snapshot, repository / "blobs", repository / "refs"):
        folder.mkdir(parents=True)
    (repository / "refs" / "main").write_text("0123")
    (repository / "blobs" / "feed").write_bytes(b"weights")
    (snapshot / "b").symlink_to("../../../blobs/feed")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    return tmp_path


def test_a_file_of_the_cache_is_found_with_the_name_of_its_blob(cache):
    path = hub.cached("someone/models", "a/b")
    assert path is not None
    assert path.read_bytes() == b"weights"
    assert hub.blob_name(path) == "feed"


@pytest.mark.parametrize(("repository", "file"), [("someone/models", "a/c"), ("someone/else", "a/b")])
def test_what_the_cache_lacks_is_none(cache, repository, file):
    assert hub.cached(repository, file) is None


def test_other_files_have_no_blob(tmp_path):
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / "x").touch()
    assert hub.blob_name(tmp_path / "blobs" / "x") is None


def test_offline_mode_allows_no_request(cache, monkeypatch):
    assert not hub.offline()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert hub.offline()
    for ask in (hub.size, hub.download):
        with pytest.raises(hub.UnavailableError):
            ask("someone/models", "c")


def test_a_gate_is_told_as_such_and_other_failures_by_their_first_line(monkeypatch):
    def failing(error):
        def fail(*_args, **_kwargs):
            raise error

        return fail

    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", failing(NotAcceptedError()))
    with pytest.raises(hub.UnavailableError, match="licence has not been accepted"):
        hub.size("someone/models", "a")
    monkeypatch.setattr("huggingface_hub.hf_hub_download", failing(OSError("disk full\nand more")))
    with pytest.raises(hub.UnavailableError, match=r"^OSError: disk full$"):
        hub.download("someone/models", "a")
