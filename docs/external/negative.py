"""The smallest external method: reads the scene and the edit, and leaves the negative of every view."""

import json
import sys
from pathlib import Path

from PIL import Image, ImageOps

folder = Path(sys.argv[1])
edit = json.loads((folder / "edit.json").read_text(encoding="utf-8"))
print(f"asked to: {edit['instruction']} (seed {edit['seed']}, on {edit['device']})")
frames = json.loads((folder / "scene" / "transforms.json").read_text())["frames"]
for frame in frames:
    name = frame["file_path"]
    with Image.open(folder / "scene" / name) as view:
        ImageOps.invert(view).save(folder / "views" / name)
