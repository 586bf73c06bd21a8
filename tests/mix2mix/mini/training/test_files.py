"""A file is there whole or not at all."""

import pytest
import torch

from mix2mix.mini.training.files import save_whole


def test_what_is_saved_comes_back_and_leaves_nothing_beside_it(tmp_path):
    for number in (1, 2):  # the second in place of the first
        save_whole({"number": torch.tensor(number)}, tmp_path / "state.pt")
        assert torch.load(tmp_path / "state.pt", weights_only=True) == {"number": number}
    assert [file.name for file in tmp_path.iterdir()] == ["state.pt"]


def test_a_disk_that_is_full_leaves_what_was_there(tmp_path, monkeypatch):
    save_whole({"number": torch.tensor(1)}, tmp_path / "state.pt")

    def full_disk(state, path):
        path.write_bytes(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(torch, "save", full_disk)
    with pytest.raises(OSError, match="no space"):
        save_whole({"number": torch.tensor(2)}, tmp_path / "state.pt")
    assert torch.load(tmp_path / "state.pt", weights_only=True) == {"number": 1}
