"""The report of a run: one self-contained HTML page, made from the saved files alone. No torch."""

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from benchmark.analysis import analyse
from benchmark.paper_tables import paper_tables
from benchmark.recovery import Reading, read
from benchmark.store import Run, replace_file
from benchmark.tables import legend
from benchmark.validity import validate
from reports.ablation import ablations
from reports.copies import copy_pictures
from reports.gallery import EditBlock, edit_blocks, files_of
from reports.grids import text_grid
from reports.images import Uris, embed
from reports.noted import noted_grid
from reports.provenance import facts, in_short, methods, notices
from reports.scores import cell_grid, cost_grid, difference_grid, score_grid
from reports.summary import summarise
from reports.tradeoff import tradeoffs
from reports.validity_section import validity_section

if TYPE_CHECKING:
    from reports.survey_section import SurveySection


def write_report(run_folder: Path, output: Path, ratings: Path | None = None, images: bool = False) -> Path:
    """Write the page of a run, with a file of human ratings, and with its full pictures in a folder beside it.

    A folder without a run, faulty ratings, or an output that cannot be written is an `InputError`.
    """
    reading = read(run_folder)
    survey = _read_survey(ratings, reading.run) if ratings else None
    blocks = edit_blocks(reading.run)
    shown = list(files_of(blocks))
    uris = _without_damaged(embed(shown, run_folder), reading.run)
    whole = (file for file in shown if uris[file])
    links = copy_pictures(whole, run_folder, output.with_name(f"{output.stem}-images")) if images else {}
    replace_file(output, _render(reading, blocks, uris, survey, links).encode())
    return output


def _render(
    reading: Reading,
    blocks: list[EditBlock],
    uris: Uris,
    survey: "SurveySection | None" = None,
    links: Mapping[Path, str] | None = None,
) -> str:
    """The page as HTML; everything that comes from the files is escaped, and no script but the page's own runs."""
    run = reading.run
    statistics = analyse(run)
    script = files("reports").joinpath("templates/report.js").read_text(encoding="utf-8")
    style = files("reports").joinpath("templates/report.css").read_text(encoding="utf-8")
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            script=Markup(script),
            script_hash=b64encode(sha256(script.encode()).digest()).decode("ascii"),
            style=Markup(style),
            run=run,
            record=run.record,
            notices=notices(reading, lost=sum(uri is None for uri in uris.values())),
            in_short=in_short(run),
            facts=facts(run),
            methods=methods(run),
            summary=summarise(run, statistics),
            assumptions=statistics.assumptions,
            caption=legend(run),
            common=statistics.common,
            scores=score_grid(run, statistics),
            differences=difference_grid(run, statistics),
            costs=cost_grid(run),
            noted=noted_grid(run),
            tradeoffs=tradeoffs(run, statistics),
            ablations=ablations(run, statistics),
            paper=[(table, text_grid(table.title, table.head, table.rows, table.texts)) for table in paper_tables(run)],
            validity=validity_section(validate(run)),
            survey=survey,
            blocks=blocks,
            uris=uris,
            links=links or {},
            has_maps=any(p.error_map for block in blocks for strip in block.strips for p in strip.pictures),
            troubled=[cell.result for cell in run.cells if cell.result.status != "ok"],
            cells=cell_grid(run),
        )
    )


def _without_damaged(uris: Uris, run: Run) -> Uris:
    """An error map that was changed is not shown, although it may still be a picture."""
    damaged = {run.folder / name for name, _ in run.damaged}
    return {file: None if file in damaged else uri for file, uri in uris.items()}


def _read_survey(ratings: Path, run: Run) -> "SurveySection":
    from reports.survey_section import read_survey  # its statistics take seconds to import

    return read_survey(ratings, run)


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
