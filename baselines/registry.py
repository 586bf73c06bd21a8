"""The methods by id: what each is, and how to load it or parse a variant of it. Describing one imports no torch."""

from collections.abc import Iterable
from difflib import get_close_matches
from importlib import import_module
from math import inf

from baselines.api import Method, MethodSpec, Parameter, Published, SettingValue, Variant
from mix2mix.errors import InputError

STEPS = Parameter("steps", int, 100, "sampling steps of the teacher (Euler ancestral)", minimum=1)
REFERENCE_STEPS = Parameter("reference_steps", int, 100, "teacher steps for the edit of the reference view", minimum=1)
TIMESTEPS = Parameter("timesteps", int, 40, "student timesteps from 999 down to 25", minimum=2)

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
        TIMESTEPS,
        REFERENCE_STEPS,
    ),
    published=Published("Table 1", cons=0.342, sim=0.258, dir=0.173, minutes=22.0),
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
)

T2VZ = MethodSpec(
    id="t2vz",
    title="Text2Video-Zero",
    paper="arXiv 2303.13439",
    needs=("teacher",),
    description="the teacher on all views at once, every view attending to the first one's keys and values",
    module="baselines.t2vz:T2vz",
    parameters=(STEPS,),
    published=Published("Table 1", cons=0.310, sim=0.251, dir=0.159, minutes=0.5),
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
    spec.id: spec for spec in (I_MIX2MIX, TEACHER_ONLY, STUDENT_ONLY, T2VZ, UNEDITED, ORACLE)
}


def find_spec(method: str) -> MethodSpec:
    """The spec of that id; an unknown id is an `InputError` that names the nearest."""
    if method not in SPECS:
        raise _unknown("method", method, SPECS)
    return SPECS[method]


def load_method(method: str) -> Method:
    """Import the method's module and make the method."""
    module, _, name = find_spec(method).module.partition(":")
    made: Method = getattr(import_module(module), name)()
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
    if not parameter.minimum <= parsed < inf:
        raise _bad_value(spec, parameter, value)
    return parsed


def _bad_value(spec: MethodSpec, parameter: Parameter, value: str) -> InputError:
    return InputError(
        f"setting '{parameter.name}' of {spec.id}",
        got=f"'{value}'",
        expected=f"{'an integer' if parameter.kind is int else 'a number'} of at least {parameter.minimum:g}",
        fix=f"It is: {parameter.description}.",
    )


def _unknown(what: str, name: str, known: Iterable[str]) -> InputError:
    names = list(known)
    near = get_close_matches(name, names, n=1, cutoff=0.4)
    fix = f"Did you mean '{near[0]}'?" if near else "See `mix2mix list methods`."
    return InputError(what, got=f"'{name}'", expected=f"one of {', '.join(names) or 'none'}", fix=fix)
