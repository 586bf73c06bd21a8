"""mix2mix: consistent edits of a few posed photos, by distilling an image editor into a multi-view diffusion model.

Importing the package is light: torch is imported when `load_scene` or `pluecker_rays` is first asked for.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mix2mix.scene import load_scene, pluecker_rays

__all__ = ["__version__", "load_scene", "pluecker_rays"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mix2mix import scene

    return getattr(scene, name)
