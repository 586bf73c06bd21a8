"""Parts are found where they are, fetched where that is allowed, and told where they are missing."""

import hashlib
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from mix2mix import hub
from mix2mix.errors import InputError
from mix2mix.parts import Part, Search, digest, find, obtain, verified_checksum

OPEN = Part("eye", ["x/w.safetensors", "v.safetensors"], "float32", "them/eye", 1.5)
GATED = Part("ear", ["w.safetensors"], "float32", "them/ear", 5.1, gated=True)
OWN = Part("own", ["w.safetensors"])
LICENCES = {"eye": "MIT", "ear": "Non-Commercial"}


@pytest.fixture(autouse=True)
def remote(tmp_path, monkeypatch):
    """A hub whose cache is a folder; downloads put files there. What was asked of it, in turn."""
    cache, asked = tmp_path / "cache", []

    def download(repository, file):
        asked.append(("download", repository, file))
        return write(cache / repository / file)

    def size(repository, file):
        asked.append(("size", repository, file))
        return 1_000_000_000

    def cached(repository, file):
        path = cache / repository / file
        return path if path.is_file() else None

    for function in (download, size, cached):
        monkeypatch.setattr(hub, function.__name__, function)
    monkeypatch.setattr(hub, "offline", lambda: False)
    return asked


def write(path, dtype=torch.float32):
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({"w": torch.zeros(3, dtype=dtype)}, path)
    return path


def search(folder, given=True, **parts):
    return Search("big", parts, LICENCES.__getitem__, folder, given)


def refusal(wanted, tell=pytest.fail):
    with pytest.raises(InputError) as error:
        obtain(wanted, tell)
    return str(error.value)


def test_a_part_is_found_in_the_folder_before_the_cache(tmp_path):
    cached = [write(tmp_path / "cache" / "them/eye" / file) for file in OPEN.files]
    found = find("eye", OPEN, tmp_path / "mine")
    assert (found.place, list(found.files.values())) == ("hub cache", cached)
    here = [write(tmp_path / "mine" / "eye" / file) for file in OPEN.files]
    found = find("eye", OPEN, tmp_path / "mine")
    assert (found.place, list(found.files.values())) == ("folder", here)
    assert found.size == sum(path.stat().st_size for path in here)


def test_a_part_with_a_file_missing_is_not_there(tmp_path):
    write(tmp_path / "eye" / OPEN.files[0])
    assert find("eye", OPEN, tmp_path) is None
    assert find("own", OWN, tmp_path) is None


def test_all_that_is_missing_is_told_at_once_with_commands_licences_and_gates(tmp_path, remote, monkeypatch):
    monkeypatch.setattr(hub, "offline", lambda: True)
    told = refusal(search(tmp_path, eye=OPEN, ear=GATED))
    assert "no eye, no ear" in told
    assert "offline" in told
    assert "eye (about 1.5 GB, licence: MIT)" in told
    assert f"hf download them/eye x/w.safetensors v.safetensors --local-dir {tmp_path / 'eye'}\n" in told
    assert "ear (about 5.1 GB, licence: Non-Commercial)" in told
    assert f"hf download them/ear w.safetensors --local-dir {tmp_path / 'ear'}" in told
    assert told.count("accept its licence at https://huggingface.co/them/ear, then: hf auth login") == 1
    assert remote == []


def test_the_commands_put_files_where_they_are_found(tmp_path, monkeypatch):
    monkeypatch.setattr(hub, "offline", lambda: True)
    target = refusal(search(tmp_path, eye=OPEN)).split("--local-dir ")[1].strip()
    for file in OPEN.files:
        write(tmp_path / target / file)
    assert obtain(search(tmp_path, eye=OPEN), pytest.fail)["eye"].place == "folder"


def test_nothing_is_to_be_downloaded_into_the_package(tmp_path, monkeypatch):
    monkeypatch.setattr(hub, "offline", lambda: True)
    assert "--local-dir" not in refusal(search(tmp_path, given=False, eye=OPEN))


def test_downloads_are_told_with_size_and_licence_before_the_first_byte(tmp_path, remote):
    told = []
    found = obtain(search(tmp_path, eye=OPEN, ear=GATED), lambda line: told.append((line, len(remote))))
    assert [line for line, _ in told] == [
        "big eye: downloads 2.0 GB from https://huggingface.co/them/eye, licence: MIT",
        "big ear: downloads 1.0 GB from https://huggingface.co/them/ear, licence: Non-Commercial",
    ]
    assert [kind for kind, *_ in remote[: told[0][1]]] == ["size"] * 3
    assert {name: where.place for name, where in found.items()} == {"eye": "hub cache", "ear": "hub cache"}


def test_only_what_is_missing_is_downloaded(tmp_path, remote):
    write(tmp_path / "ear" / "w.safetensors")
    obtain(search(tmp_path, eye=OPEN, ear=GATED), lambda line: None)
    assert {repository for _, repository, _ in remote} == {"them/eye"}


def test_where_one_part_is_refused_none_is_downloaded(tmp_path, remote, monkeypatch):
    def size(repository, file):
        if repository == "them/ear":
            raise hub.UnavailableError("its licence has not been accepted")
        return 1

    monkeypatch.setattr(hub, "size", size)
    told = refusal(search(tmp_path, eye=OPEN, ear=GATED))
    assert "its licence has not been accepted" in told
    assert "hf auth login" in told
    assert remote == []


def test_what_is_not_on_the_hub_is_told_without_asking_it(tmp_path, remote):
    told = refusal(search(tmp_path, own=OWN, eye=OPEN))
    assert "own (own/w.safetensors): Reinstall mix2mix" in told
    assert "hf download them/eye" in told
    assert remote == []


def test_another_precision_than_the_published_is_told(tmp_path):
    write(tmp_path / "ear" / "w.safetensors", torch.bfloat16)
    told = []
    obtain(search(tmp_path, ear=GATED), told.append)
    (line,) = told
    assert line.startswith("big ear: in bfloat16, published in float32; converted")


def test_a_file_that_cannot_be_read_is_told_before_any_work(tmp_path):
    path = write(tmp_path / "ear" / "w.safetensors")
    path.write_bytes(path.read_bytes()[:-1])
    assert "bytes where its header says" in refusal(search(tmp_path, ear=GATED))


def test_the_digest_follows_every_byte_and_not_the_place(tmp_path):
    for folder in ("one", "two"):
        write(tmp_path / folder / "ear" / "w.safetensors")
    one, two = (find("ear", GATED, tmp_path / folder) for folder in ("one", "two"))
    assert digest([one], {}) == digest([two], {})
    assert digest([one], {}) != digest([replace(one, name="eye")], {})
    two.file.write_bytes(two.file.read_bytes()[:-1] + b"x")
    assert digest([one], {}) != digest([two], {})


def test_known_checksums_are_those_of_the_bundle_then_those_of_the_hub(tmp_path, monkeypatch):
    path = write(tmp_path / "w.safetensors")
    assert verified_checksum(path, {}) is None
    monkeypatch.setattr(hub, "blob_name", lambda path: "feed")
    assert verified_checksum(path, {}) == "feed"
    listed = hashlib.sha256(path.read_bytes()).hexdigest()
    assert verified_checksum(path, {path: listed}) == listed
