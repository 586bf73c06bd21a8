"""The full pictures of a run, copied beside its page for those who want more than thumbnails."""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote

from benchmark.store import writing


def copy_pictures(files: Iterable[Path], run: Path, folder: Path) -> Mapping[Path, str]:
    """Copy files of a run into a folder under their own paths; a link to each, from beside the folder.

    Trouble with the disk is an `InputError`.
    """
    links = {}
    with writing(folder):
        for file in dict.fromkeys(files):
            place = file.relative_to(run)
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, folder / place)
            links[file] = quote((Path(folder.name) / place).as_posix())
    return links
