"""A study on the disk: STUDY.toml with what may be edited, and beside it a folder with what is fixed.

    STUDY.toml                  title, texts, participants, completion
    STUDY.data/plan.json        sets, their pictures, and places: written once, by `survey create`
    STUDY.data/secrets.json     the operator's token and the key of form tokens
    STUDY.data/images/          pictures under random names
    STUDY.data/ratings.sqlite   made by `survey serve`

The folder is for the operator alone: it tells who made what, and who took part.
"""

import hashlib
import json
import os
import secrets
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from mix2mix.errors import InputError
from survey.boxes import Box

Line = Annotated[str, StringConstraints(max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")]
Kind = Literal["rating", "planted", "identical"]


class Part(BaseModel):
    """A part of a study's files: immutable, strictly typed, without unknown fields."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


class Participants(Part):
    """How raters come to the study."""

    id_parameter: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_]{1,32}$")] = "PROLIFIC_PID"
    session_parameter: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_]{1,32}$")] = "SESSION_ID"
    id_required: bool = False
    idle_minutes: Annotated[int, Field(ge=1)] = 120


class Completion(Part):
    """What a rater gets at the end."""

    code: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{0,64}$")] = ""
    return_url: Annotated[str, StringConstraints(pattern=r"^(https://\S{1,500})?$")] = ""


class Settings(Part):
    """STUDY.toml."""

    title: Line
    data: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^/\\\x00]+$")]
    contact: Line = ""
    consent: Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
    agreement: Annotated[Line, StringConstraints(min_length=1)]
    participants: Participants = Participants()
    completion: Completion = Completion()


class ImageSet(Part):
    """The views that one task shows: those of a method, or an attention trial (then `method` and `edit` are empty)."""

    set_id: str
    kind: Kind
    scene: str
    edit: str
    method: str
    images: tuple[str, ...]
    planted: Box | None = None


class Trial(Part):
    """A step of a place: which set, and whether it is shown again to compare a rater with themselves."""

    set_id: str
    repeat: bool = False


class Plan(Part):
    """plan.json: everything that is fixed before the first rater comes."""

    schema_version: Literal[1] = 1
    seed: int
    methods: tuple[str, ...]
    raters_per_set: int
    sets: tuple[ImageSet, ...]
    places: tuple[tuple[Trial, ...], ...]

    @cached_property
    def by_id(self) -> dict[str, ImageSet]:
        """The sets by their id."""
        return {image_set.set_id: image_set for image_set in self.sets}


class Secrets(Part):
    """secrets.json."""

    operator_token: str = Field(default_factory=lambda: secrets.token_urlsafe(24))
    form_key: str = Field(default_factory=lambda: secrets.token_hex(32))


@dataclass(frozen=True)
class Study:
    """A study as read from the disk."""

    path: Path
    settings: Settings
    plan: Plan
    secrets: Secrets

    @property
    def data(self) -> Path:
        """The folder beside STUDY.toml."""
        return self.path.parent / self.settings.data

    @property
    def database(self) -> Path:
        """Where the ratings are kept."""
        return self.data / "ratings.sqlite"

    def image(self, image_set: ImageSet, view: int) -> Path:
        """The file of a view."""
        return self.data / "images" / image_set.images[view]

    @property
    def digest(self) -> str:
        """SHA-256 of the plan: ratings belong to one plan."""
        return hashlib.sha256(self.plan.model_dump_json().encode()).hexdigest()


def read_study(path: Path) -> Study:
    """Read a study; InputError names the file and the field that is wrong."""
    settings = _settings(path)
    data = path.parent / settings.data
    return Study(path, settings, _parsed(Plan, data / "plan.json"), _parsed(Secrets, data / "secrets.json"))


def write_plan(folder: Path, plan: Plan) -> None:
    """Write plan.json and fresh secrets, which only the owner may read, into the folder of a study."""
    (folder / "plan.json").write_text(plan.model_dump_json(indent=1) + "\n", encoding="utf-8")
    handle = os.open(folder / "secrets.json", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(Secrets().model_dump_json(indent=1) + "\n")


def toml_text(title: str, data: str) -> str:
    """STUDY.toml of a new study."""
    return TEMPLATE.format(title=json.dumps(title, ensure_ascii=False), data=json.dumps(data, ensure_ascii=False))


TEMPLATE = '''\
# A study for `mix2mix survey serve`. Change what you like here before it starts; sets, order and places are fixed in
# the folder that `data` names.
title = {title}
data = {data}
contact = ""  # shown to raters: whom to ask
consent = """
You will see sets of pictures. Each set shows one object or person from several sides, after a computer has edited the
pictures. We ask you to mark where two of the pictures contradict each other.

Taking part is voluntary. You may stop at any time by closing the page. We keep your participant id, the rectangles that
you draw, when you drew them and how long it took; nothing else. The answers may be published, without the participant
id.
"""
agreement = "I have read this, I am at least 18 years old, and I agree to take part."

[participants]
id_parameter = "PROLIFIC_PID"   # query parameter that carries the participant's id
session_parameter = "SESSION_ID"
id_required = false             # true: nobody takes part without an id
idle_minutes = 120              # after this long the place of a rater who stopped may be given to another

[completion]
code = ""        # shown at the end; empty: each rater gets a code of their own
return_url = ""  # https://app.prolific.com/submissions/complete?cc={{code}}; empty: the code alone is shown
'''

T = TypeVar("T", bound=Part)


def _settings(path: Path) -> Settings:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        fix = "Make a study with `mix2mix survey create`."
        raise InputError(f"study {path}", got=str(error), expected="a TOML file that can be read", fix=fix) from error
    try:
        return Settings.model_validate(document)
    except ValidationError as error:
        raise _invalid(path, error) from error


def _parsed(schema: type[T], path: Path) -> T:
    try:
        return schema.model_validate_json(path.read_bytes())
    except OSError as error:
        fix = "Keep the data folder beside STUDY.toml, under the name that it has there."
        raise InputError(f"study {path}", got=error.strerror, expected="a file of `survey create`", fix=fix) from error
    except ValidationError as error:
        raise _invalid(path, error) from error


def _invalid(path: Path, error: ValidationError) -> InputError:
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"])) or "the file"
    return InputError(f"{path}, {where}", got=repr(first["input"])[:80], expected=first["msg"], fix="Mend the entry.")
