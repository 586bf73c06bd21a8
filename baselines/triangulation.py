"""Points triangulated from the scene's own views and known poses, by pycolmap (an optional extra), on the CPU."""

from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from mix2mix.errors import InputError
from mix2mix.scene import Scene

_ERRORS = 2
"""Of glog's levels: what pycolmap may print."""


def triangulated_points(scene: Scene) -> Tensor:
    """Points [P, 3] (P may be 0) that SIFT features show in two views or more, poses and intrinsics as given.

    Raises InputError where pycolmap is not installed.
    """
    if find_spec("pycolmap") is None:
        raise InputError(
            "points",
            got="'triangulated', but pycolmap is not installed",
            expected="pycolmap, or 'random' points",
            fix="Install mix2mix[points], or ask for @points=random.",
        )
    with TemporaryDirectory() as folder:
        return _triangulate(scene, Path(folder))


def _triangulate(scene: Scene, folder: Path) -> Tensor:
    # Imported last: loaded before torch and Pillow, its libraries bring those down.
    import pycolmap

    database, pictures, sparse = folder / "database.db", folder / "pictures", folder / "sparse"
    pictures.mkdir()
    sparse.mkdir()
    names = [f"{view}.png" for view in range(len(scene.images))]
    for name, image in zip(names, scene.images.cpu(), strict=True):
        Image.fromarray((image.permute(1, 2, 0) * 255).round().byte().numpy()).save(pictures / name)
    options = pycolmap.ImageReaderOptions()
    options.camera_model = "PINHOLE"
    pycolmap.logging.minloglevel = _ERRORS
    mode, processor = pycolmap.CameraMode.PER_IMAGE, pycolmap.Device.cpu
    pycolmap.extract_features(database, pictures, names, mode, options, device=processor)
    known = _known_cameras(scene, database, names)
    pycolmap.match_exhaustive(database, device=processor)
    found = pycolmap.triangulate_points(known, database, pictures, sparse)
    points = [point.xyz for point in found.points3D.values()]
    return torch.from_numpy(np.array(points, dtype=np.float32).reshape(-1, 3))


def _known_cameras(scene: Scene, database: Path, names: list[str]) -> Any:
    """A reconstruction of cameras without points; the database gets the same intrinsics, for its matches."""
    import pycolmap

    known, store = pycolmap.Reconstruction(), pycolmap.Database.open(database)
    K = scene.cameras.K.double().cpu() * scene.images.shape[-1]
    world_to_camera = torch.linalg.inv(scene.cameras.c2w.double().cpu())[:, :3].numpy()
    for view, name in enumerate(names):
        image = store.read_image_with_name(name)
        camera = store.read_camera(image.camera_id)
        camera.params = [float(K[view, row, column]) for row, column in ((0, 0), (1, 1), (0, 2), (1, 2))]
        store.update_camera(camera)
        known.add_camera_with_trivial_rig(camera)
        posed = pycolmap.Image(name=name, camera_id=image.camera_id, image_id=image.image_id)
        known.add_image_with_trivial_frame(posed, pycolmap.Rigid3d(world_to_camera[view]))
    store.close()
    return known
