"""Drawing splats with gsplat (arXiv 2409.06765), for a CUDA GPU; its kernels are compiled at first use."""

import getpass
import tempfile
from pathlib import Path

import gsplat
import torch
from filelock import FileLock
from torch import Tensor

from baselines.splat_dense import BLUR, NEAR
from baselines.splats import Splats
from mix2mix.cameras import Cameras
from mix2mix.errors import InputError


def compile_kernels() -> None:
    """Compile them now, if no process has before; InputError where there is no compiler, which gsplat only prints."""
    # gsplat begins by clearing away what another process may be compiling.
    with FileLock(lock_path()):
        from gsplat.cuda import _backend  # its import compiles

    if _backend._C is None:
        fix = "Install NVIDIA's compiler (nvcc), in the version of torch's CUDA."
        raise InputError("gsplat", got="no compiled kernels", expected="kernels compiled at first use", fix=fix)


def lock_path() -> Path:
    """Of the file that a process holds while it compiles."""
    return Path(tempfile.gettempdir()) / f"mix2mix-gsplat-{getpass.getuser()}.lock"


def gsplat_rasteriser(splats: Splats, camera: Cameras, size: int, background: Tensor) -> Tensor:
    """Draw splats for one camera: the `Rasteriser` for a GPU."""
    K = camera.K * camera.K.new_tensor([[size], [size], [1.0]])
    images, _, _ = gsplat.rasterization(
        means=splats.means,
        quats=splats.quaternions,
        scales=splats.log_scales.exp(),
        opacities=splats.opacities,
        colors=torch.cat([splats.constant[:, None], splats.linear], dim=1),
        viewmats=torch.linalg.inv(camera.c2w),
        Ks=K,
        width=size,
        height=size,
        near_plane=NEAR,
        eps2d=BLUR,
        sh_degree=1,
        backgrounds=background[None],
        packed=False,  # packed, gsplat 1.5 refuses a background
    )
    picture: Tensor = images[0].permute(2, 0, 1)
    return picture
