"""An edit: an instruction with the prompts that describe the scene before and after it, and its guidance."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

Progress = Callable[[str, int, int], None]
"""How far an edit is: called with a phase, the work done and the work in all."""


@dataclass(frozen=True)
class Edit:
    """One instruction-driven edit (a row of the paper's Table 6, or one of the user's own)."""

    instruction: str
    original_prompt: str
    edited_prompt: str
    text_guidance: float = 7.5
    image_guidance: float = 1.5

    @property
    def slug(self) -> str:
        """The instruction as a file name: ``turn-him-into-a-knight``."""
        return re.sub(r"[^a-z0-9]+", "-", self.instruction.lower()).strip("-")

    def guided(self, factor: float) -> "Edit":
        """The same with its text guidance times a factor."""
        return replace(self, text_guidance=self.text_guidance * factor)
