"""The Hugging Face hub, as little of it as is needed: is a file in its cache, how large is it, fetch it.

Its own settings apply: HF_HOME and HF_HUB_CACHE say where the cache is, HF_HUB_OFFLINE forbids every request.
"""

from pathlib import Path

import huggingface_hub
from huggingface_hub import constants
from huggingface_hub.errors import GatedRepoError


class UnavailableError(Exception):
    """The hub does not give a file; the message says why."""


def offline() -> bool:
    """Whether the user has forbidden requests."""
    return constants.HF_HUB_OFFLINE


def page(repository: str) -> str:
    """Address of a repository's page, where its licence is read and accepted."""
    return f"https://huggingface.co/{repository}"


def cached(repository: str, file: str) -> Path | None:
    """Where the cache has a file of a repository, or None."""
    path = huggingface_hub.try_to_load_from_cache(repository, file, cache_dir=constants.HF_HUB_CACHE)
    return Path(path) if isinstance(path, str) else None


def blob_name(path: Path) -> str | None:
    """Name of the blob that a file of the cache points to, which is its checksum; None for any other file."""
    blob = path.resolve()
    return blob.name if path.is_symlink() and blob.parent.name == "blobs" else None


def size(repository: str, file: str) -> int:
    """Bytes of a file on the hub, by one request; UnavailableError where it would not be given."""
    try:
        url = huggingface_hub.hf_hub_url(repository, file)
        return huggingface_hub.get_hf_file_metadata(url).size or 0
    except Exception as error:  # the client's own, its HTTP library's, the operating system's: all mean the same here
        raise UnavailableError(_reason(error)) from error


def download(repository: str, file: str) -> Path:
    """Fetch a file into the cache, under the client's progress bar; UnavailableError where it is not given."""
    try:
        return Path(huggingface_hub.hf_hub_download(repository, file, cache_dir=constants.HF_HUB_CACHE))
    except Exception as error:
        raise UnavailableError(_reason(error)) from error


def _reason(error: Exception) -> str:
    if isinstance(error, GatedRepoError):
        return "its licence has not been accepted by the account that is logged in"
    first, *_ = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {first}"
