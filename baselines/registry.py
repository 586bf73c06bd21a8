"""The methods by id: what each is, and how to load it or parse a variant of it. Describing one imports no torch."""

from collections.abc import Iterable
from difflib import get_close_matches
from math import inf

from baselines.api import Method, MethodSpec, Parameter, Published, SettingValue, Variant
from baselines.external_spec import external_digest, external_methods
from mix2mix.errors import InputError
from mix2mix.extensions import Extension, extensions, load_object

STEPS = Parameter("steps", int, 100, "sampling steps of the teacher (Euler ancestral)", minimum=1)
T2VZ_STEPS = Parameter("steps", int, 50, "sampling steps (Euler ancestral)", minimum=1)
REFERENCE_STEPS = Parameter("reference_steps", int, 100, "teacher steps for the edit of the reference view", minimum=1)
TIMESTEPS = Parameter("timesteps", int, 40, "student timesteps from 999 down to 25", minimum=2)


def _choice(name: str, description: str, default: str, *others: str) -> Parameter:
    return Parameter(name, str, default, description, choices=(default, *others))


I_MIX2MIX = MethodSpec(
    id="i-mix2mix",
    title="I-Mix2Mix",
    paper="arXiv 2511.14899",
    needs=("teacher", "student"),
    description="distils the 2D editor into a multi-view diffusion model that is personalised to the scene",
    module="baselines.i_mix2mix:IMix2Mix",
    parameters=(
        Parameter("k", int, None, "optimiser updates at each timestep after the first", minimum=1),
        Parameter("f", float, None, "sharpness of the teacher-timestep distribution", minimum=0.01),
        Parameter("first_updates", int, None, "optimiser updates at the first timestep", minimum=1),
        Parameter("warmup", int, None, "updates over which the learning rate rises", minimum=1),
        Parameter("lr_max", float, None, "learning rate at the end of the warm-up", minimum=0.0),
        Parameter("lr_min", float, None, "learning rate in the end", minimum=0.0),
        TIMESTEPS,
        REFERENCE_STEPS,
        _choice(
            "teacher_time", "the teacher's timestep: of the paper, or an ablation's", "normal", "uniform", "matched"
        ),
        _choice(
            "attention", "what the teacher's views look at: one, themselves, or all", "random", "plain", "extended"
        ),
        _choice("latent_mapping", "from the student's latents to the teacher's", "bilinear", "learned"),
        _choice("reference", "the student's input frame", "edited", "unedited"),
        _choice("memory", "low: less of a GPU's memory, for more time", "normal", "low"),
    ),
    published=Published("Table 1", cons=0.342, sim=0.258, dir=0.173, minutes=22.0),
    year=2025,
    cost={"teacher": 26_100, "student": 2189},
)

TEACHER_ONLY = MethodSpec(
    id="teacher-only",
    title="Teacher only",
    paper="arXiv 2211.09800",
    needs=("teacher",),
    description="InstructPix2Pix on every view by itself, with independent noise",
    module="baselines.teacher_only:TeacherOnly",
    parameters=(STEPS,),
    published=Published("Table 3", cons=0.228, sim=0.252, dir=0.184),
    year=2022,
    cost={"teacher": 1200},
)

STUDENT_ONLY = MethodSpec(
    id="student-only",
    title="Student only",
    paper="arXiv 2503.14489",
    needs=("teacher", "student"),
    description="one view edited by the teacher; the multi-view model samples the others from it, as it is",
    module="baselines.student_only:StudentOnly",
    parameters=(TIMESTEPS, REFERENCE_STEPS),
    published=Published("Table 3", cons=0.014, sim=0.212, dir=0.161),
    year=2025,
    cost={"teacher": 300, "student": 40},
)

SDEDIT = MethodSpec(
    id="sdedit",
    title="SDEdit fusion",
    paper="arXiv 2511.14899",
    needs=("teacher", "student"),
    description="every view edited by itself, noised part of the way, and denoised by the multi-view model",
    module="baselines.sdedit:SdEdit",
    parameters=(
        Parameter("noise", float, 0.5, "level to noise to, a share of 1000 (E.1: 0.25, 0.5, 0.75)", 0.05, 0.95),
        STEPS,
        TIMESTEPS,
    ),
    year=2025,
    cost={"teacher": 1200, "student": 20},
)

COUPLED = MethodSpec(
    id="coupled",
    title="Coupled sampling",
    paper="arXiv 2510.14981",
    needs=("teacher", "student"),
    description="samples editor and multi-view model side by side, their clean predictions pulled together",
    module="baselines.coupled:Coupled",
    parameters=(
        Parameter("weight", float, 0.5, "share of the way to the other's prediction: 0 apart, 0.5 their mean", 0, 0.5),
        TIMESTEPS,
        REFERENCE_STEPS,
    ),
    year=2025,
    cost={"teacher": 768, "student": 40},
)

T2VZ = MethodSpec(
    id="t2vz",
    title="Text2Video-Zero",
    paper="arXiv 2303.13439",
    needs=("teacher",),
    description="the teacher on all views at once, every view attending to one anchor's keys and values",
    module="baselines.t2vz:T2vz",
    parameters=(T2VZ_STEPS, Parameter("anchor", int, 0, "the view that all look at, counted from 0")),
    published=Published("Table 1", cons=0.310, sim=0.251, dir=0.159, minutes=0.5),
    year=2023,
    cost={"teacher": 600},
)


PERCEPTUAL = Parameter(
    "perceptual", str, None, "what the look of renders is fitted by; lpips needs its package", choices=("lpips", "ssim")
)


def _splat_parameters() -> tuple[Parameter, ...]:
    """Of both methods on splats; None is the bundle's own."""
    return (
        Parameter("edit_steps", int, None, "steps that fit the splats to edited views", minimum=1),
        Parameter("rounds", int, None, "times that all views are edited", minimum=1),
        Parameter("denoising_steps", int, None, "steps of DDIM in an edit", minimum=1),
        Parameter("fit_steps", int, None, "steps that fit the splats to the unedited views", minimum=1),
        Parameter("splats", int, None, "number of splats", minimum=4),
        Parameter("render_size", int, None, "pixels of the square renders that are fitted and edited", minimum=16),
        Parameter("points", str, None, "where splats begin; triangulated needs pycolmap",
                  choices=("random", "triangulated")),
        Parameter("rasteriser", str, None, "what draws the splats; gsplat needs a CUDA GPU",
                  choices=("dense", "gsplat")),
    )  # fmt: skip


IN2N = MethodSpec(
    id="in2n",
    title="I-N2N",
    paper="arXiv 2303.12789",
    needs=("teacher",),
    description="a radiance field fitted to the views; every few steps of fitting the render of one is edited by the "
    "teacher and takes its place",
    module="baselines.in2n:In2n",
    parameters=(
        Parameter("edit_steps", int, None, "steps that fit the field to views that are being edited", minimum=1),
        Parameter("edit_every", int, None, "steps from one view's edit to the next view's", minimum=1),
        Parameter("denoising_steps", int, None, "steps of DDIM in an edit", minimum=1, maximum=20),
        Parameter("fit_steps", int, None, "steps that fit the field to the unedited views", minimum=1),
        Parameter("render_size", int, None, "pixels of the square renders that are fitted and edited", minimum=16),
        PERCEPTUAL,
    ),
    published=Published("Table 1", cons=0.034, sim=0.196, dir=0.105, minutes=107.0),
    year=2023,
    cost={"teacher": 90_000, "renders": 1500},
    steps={"fit": ("fit_steps", 30_000), "edit": ("edit_steps", 15_000)},
)

IGS2GS = MethodSpec(
    id="igs2gs",
    title="I-GS2GS",
    paper="Instruct-GS2GS (2024)",
    needs=("teacher",),
    description="splats fitted to the views; in rounds, renders of all are edited by the teacher and fitted again",
    module="baselines.igs2gs:Igs2gs",
    parameters=_splat_parameters(),
    published=Published("Table 1", cons=0.314, sim=0.253, dir=0.169, minutes=8.0),
    year=2024,
    cost={"teacher": 720, "renders": 7500},
)

DGE = MethodSpec(
    id="dge",
    title="DGE",
    paper="arXiv 2404.18929",
    needs=("teacher",),
    description="splats fitted to joint edits of all renders; key views attend to each other, the others copy along "
    "epipolar lines (one key to two views, where the release has one to five)",
    module="baselines.dge:Dge",
    parameters=(*_splat_parameters(), PERCEPTUAL),
    published=Published("Table 1", cons=0.287, sim=0.256, dir=0.182, minutes=5.0),
    year=2024,
    cost={"teacher": 1080, "renders": 1512},
)

UNEDITED = MethodSpec(
    id="unedited",
    title="Unedited",
    paper=None,
    needs=(),
    description="the input views as they are: consistent, and no edit",
    module="baselines.unedited:Unedited",
    geometry="original",
)

ORACLE = MethodSpec(
    id="oracle",
    title="Oracle",
    paper=None,
    needs=("truth",),
    description="one draw of the true edit rendered in every view: the floor of an edit's reprojection error",
    module="baselines.oracle:Oracle",
)

SPECS: dict[str, MethodSpec] = {
    spec.id: spec
    for spec in (
        I_MIX2MIX,
        TEACHER_ONLY,
        STUDENT_ONLY,
        T2VZ,
        SDEDIT,
        COUPLED,
        IN2N,
        IGS2GS,
        DGE,
        UNEDITED,
        ORACLE,
    )
}
"""The methods that come with mix2mix; a new one is a line here."""


def all_specs() -> dict[str, MethodSpec]:
    """The methods that come with mix2mix, with other packages and as external ones, by id."""
    packaged = SPECS | {name: found.spec for name, found in other_methods().items()}
    return packaged | {name: method.spec for name, method in external_methods(packaged).items()}


def other_methods() -> dict[str, Extension[MethodSpec]]:
    """The methods that other packages bring, by id."""
    return extensions("methods", MethodSpec, SPECS)


def external_sources(method: str) -> str | None:
    """SHA-256 of the command of an external method and of the files that it names; None where it is not one."""
    found = None if method in SPECS else external_methods(SPECS).get(method)
    return external_digest(found) if found else None


def find_spec(method: str) -> MethodSpec:
    """The spec of that id; an unknown id is an `InputError` that names the nearest."""
    specs = SPECS if method in SPECS else all_specs()
    if method not in specs:
        raise _unknown("method", method, specs)
    return specs[method]


def load_method(method: str) -> Method:
    """Import the method's module and make the method."""
    kind = load_object(find_spec(method))
    external = {} if method in SPECS else external_methods(SPECS)
    made: Method = kind(external[method]) if method in external else kind()
    return made


def parse_variant(text: str) -> Variant:
    """``i-mix2mix@k=20+f=0.1`` as a spec with its settings; a wrong one is an `InputError`."""
    method, at, tail = text.partition("@")
    spec = find_spec(method)
    settings: dict[str, SettingValue] = {}
    for part in tail.split("+") if at else ():
        name, _, value = part.partition("=")
        if name in settings:
            raise InputError(f"setting '{name}' of {method}", got="it twice", expected="it once", fix="Drop one.")
        settings[name] = _parse_setting(spec, name, value)
    return Variant(spec, settings)


def _parse_setting(spec: MethodSpec, name: str, value: str) -> SettingValue:
    parameter = spec.parameter(name)
    if parameter is None:
        raise _unknown(f"setting of {spec.id}", name, [p.name for p in spec.parameters])
    try:
        parsed = parameter.kind(value)
    except ValueError:
        raise _bad_value(spec, parameter, value) from None
    if not _fits(parameter, parsed):
        raise _bad_value(spec, parameter, value)
    return parsed


def _fits(parameter: Parameter, value: SettingValue) -> bool:
    if isinstance(value, str):
        return value in parameter.choices
    return parameter.minimum <= value <= parameter.maximum and value < inf


def _bad_value(spec: MethodSpec, parameter: Parameter, value: str) -> InputError:
    return InputError(
        f"setting '{parameter.name}' of {spec.id}",
        got=f"'{value}'",
        expected=_expected(parameter),
        fix=f"It is: {parameter.description}.",
    )


def _expected(parameter: Parameter) -> str:
    if parameter.kind is str:
        return f"one of {', '.join(parameter.choices)}"
    kind = "an integer" if parameter.kind is int else "a number"
    if parameter.maximum < inf:
        return f"{kind} from {parameter.minimum:g} to {parameter.maximum:g}"
    return f"{kind} of at least {parameter.minimum:g}"


def _unknown(what: str, name: str, known: Iterable[str]) -> InputError:
    names = list(known)
    near = get_close_matches(name, names, n=1, cutoff=0.4)
    fix = f"Did you mean '{near[0]}'?" if near else "See `mix2mix list methods`."
    return InputError(what, got=f"'{name}'", expected=f"one of {', '.join(names) or 'none'}", fix=fix)
