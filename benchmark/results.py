"""What a run leaves behind: the schema of ``result.json`` (one a cell) and ``run.json`` (one a run). No torch."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

SCHEMA_VERSION: Literal[1] = 1

Status = Literal["ok", "failed", "out-of-memory", "skipped"]


class Record(BaseModel):
    """A part of a saved file: immutable, strictly typed, without unknown fields, NaN or infinity."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


class Scores(Record):
    """One CLIP score."""

    values: tuple[float, ...] = Field(description="a value for each view, or for each pair of views")
    mean: float = Field(description="their mean")


class PairScore(Record):
    """The reprojection error of one ordered pair of views."""

    first: int = Field(description="index of the view whose pixels are carried over")
    second: int = Field(description="index of the view that they are carried to")
    pixels: int = Field(description="pixels of the region that both views see")
    error: float = Field(description="mean absolute difference of colours in [0, 1]")
    chance: float = Field(description="expected difference with a random pixel of the region of the second view")


class ReprojectionScores(Record):
    """The reprojection error over a region."""

    pairs: tuple[PairScore, ...] = Field(description="the ordered pairs that share at least 200 pixels")
    error: float = Field(description="mean error over the pairs")
    chance: float = Field(description="mean chance over the pairs")
    relative: float = Field(description="error / chance; 1 where both are 0")


class ExtraScores(Scores):
    """A score by a metric of another package, with what a reader must know of it."""

    title: str
    better: Literal["higher", "lower"]
    tolerance: float = Field(default=0.01, description="values of two runs that differ by no more are the same")
    origin: str = Field(description="the package and its version")


class Metrics(Record):
    """Every score of a cell."""

    clip_sim: Scores = Field(description="cos(E, q) of each view")
    clip_dir: Scores = Field(description="cos(E - O, q - p) of each view")
    clip_cons: Scores = Field(description="cos(O_i - O_j, E_i - E_j) of each unordered pair")
    clip_cons_consecutive: Scores = Field(description="cos(E_i - O_i, E_i+1 - O_i+1) of consecutive views")
    reprojection: ReprojectionScores | None = Field(description="over the subject; absent without known geometry")
    background: ReprojectionScores | None = Field(description="over the rest; absent also where the edit is global")
    extra: dict[str, ExtraScores] = Field(default_factory=dict, description="by metrics of other packages, by id")


class Timing(Record):
    """Seconds on the wall clock; the device is synchronised before each reading."""

    edit: tuple[float, ...] = Field(description="raw samples of the call of `edit`, which alone is timed")
    warm_up: float | None = Field(description="the short unscored edit before the method's first cell of the session")
    phases: dict[str, float] = Field(description="the method's own account: load, fit, edit, decode")

    @property
    def seconds(self) -> float:
        """Of the edit alone: the fit of a scene serves all its edits, and is told apart."""
        if "fit" not in self.phases:
            return sum(self.edit) / len(self.edit)
        return sum(seconds for phase, seconds in self.phases.items() if phase != "fit")


class Memory(Record):
    """Peak memory in bytes."""

    device_allocated: int | None = Field(description="peak allocated on the GPU during the edit; absent on a CPU")
    device_reserved: int | None = Field(description="peak reserved on the GPU during the edit; absent on a CPU")
    process: int | None = Field(description="largest resident set of the whole process so far; absent on Windows")


class EditRecord(Record):
    """The edit as it was asked for."""

    instruction: str
    original_prompt: str
    edited_prompt: str
    text_guidance: float
    image_guidance: float


class Sources(Record):
    """SHA-256 of the sources that a result depends on."""

    mix2mix: str
    baselines: str
    metrics: str


class Identity(Record):
    """All that a result depends on: a finished cell is kept as long as this is equal."""

    method: str = Field(description="name of the variant: the id with its settings")
    scene: str
    edit: str = Field(description="slug of the instruction")
    seed: int
    config: dict[str, JsonValue] = Field(description="settings of the method, guidance and defaults of the bundle")
    scene_digest: str = Field(description="SHA-256 of the original views and cameras")
    bundle_digest: str = Field(description="hash of the bundle's weights")
    sources: Sources


class Bundle(Record):
    """The models that a run stood on."""

    name: str
    digest: str = Field(description="hash of the weights")
    random_weights: bool = Field(description="weights are random: for speed and memory only, never scored")


class Hardware(Record):
    """The machine."""

    platform: str
    cpu: str
    cores: int
    memory: int | None = Field(description="bytes of main memory, where the system tells")
    gpus: tuple[str, ...]
    device: str = Field(description="the device that the run used")
    threads: int | None = Field(default=None, description="torch's, in the process that made the cell")


class Provenance(Record):
    """Where a result comes from."""

    created: str = Field(description="ISO 8601, UTC")
    commit: str | None = Field(description="git commit of the sources; absent outside a checkout")
    dirty: bool | None = Field(description="whether the checkout had uncommitted changes")
    packages: dict[str, str] = Field(description="versions of Python and of the packages that matter")
    hardware: Hardware
    bundle: Bundle
    catalogue: str = Field(description="SHA-256 of the catalogue of edits")
    budget: str

    def comparable(self, other: "Provenance") -> bool:
        """Whether results of both may stand in one table: the same models and the same amount of work."""
        return (self.bundle.digest, self.budget) == (other.bundle.digest, other.budget)


class ViewFile(Record):
    """A saved view."""

    name: str = Field(description="file name in the cell's folder", pattern=r"^view_\d+\.png$")
    sha256: str


class MapFile(Record):
    """A saved map of reprojection errors, a picture of a score."""

    name: str = Field(description="file name in the cell's folder", pattern=r"^reprojection_\d+\.png$")
    sha256: str


class CellResult(Record):
    """``result.json``: one cell."""

    schema_version: Literal[1]
    key: str = Field(description="SHA-256 of the identity")
    identity: Identity
    status: Status
    reason: str = Field(description="why the status is not ok; empty where it is")
    traceback: str = Field(description="the last frames of the error, where there was one")
    edit: EditRecord
    views: tuple[ViewFile, ...] = Field(description="the edited views; none unless the status is ok")
    metrics: Metrics | None = Field(description="absent unless ok, and with random weights")
    error_maps: tuple[MapFile, ...] = Field(default=(), description="a map for each view where the geometry is known")
    timing: Timing | None = Field(description="absent where no edit came to its end or workers shared the device")
    memory: Memory | None = Field(description="absent where no edit came to its end")
    counts: dict[str, int] = Field(description="samples put through the teacher, calls of the student, renders")
    notes: dict[str, str | int | float] = Field(description="what the method tells about its work")
    provenance: Provenance


class PublishedRecord(Record):
    """What the paper prints for a method."""

    source: str
    cons: float
    sim: float
    dir: float
    minutes: float | None


class MethodRecord(Record):
    """A method as the report shows it."""

    name: str = Field(description="name of the variant")
    title: str
    paper: str | None
    description: str
    published: PublishedRecord | None = Field(description="absent for a variant with settings of its own")


class RunRecord(Record):
    """``run.json``: what was asked for, written when a run starts."""

    schema_version: Literal[1]
    name: str
    command: str = Field(description="the command line")
    budget: str
    purpose: str = Field(description="what the budget is for")
    methods: tuple[MethodRecord, ...] = Field(description="in the order of the tables")
    cells: tuple[str, ...] = Field(description="folders of the planned cells, relative to the run's")
    provenance: Provenance
