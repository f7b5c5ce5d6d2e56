"""A run folder to one HTML page that needs nothing else: no network, no other file."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from surrogate_nas.errors import RunFolderError, SurrogateNASError
from surrogate_nas.record import write_aside
from surrogate_nas.report import wording
from surrogate_nas.report.cell import OPERATION_NAMES
from surrogate_nas.report.jobs import PAGES
from surrogate_nas.report.paper import Rows, latex, markdown, write_tables
from surrogate_nas.report.run import Run, read_run

TEMPLATES = Path(__file__).parent
FILTERS = (
    wording.blank,
    wording.count,
    wording.digits,
    wording.duration,
    wording.number,
    wording.percent,
    wording.percent_spread,
    wording.probability,
    wording.times,
)


def write_report(folder: str | Path) -> Path:
    """Write ``report.html`` into a run folder, made of the other files in it, and return its path.

    Its tables are also written into the folder ``tables``, as CSV, Markdown and LaTeX.

    Raises:
        RunFolderError: the folder is not that of a finished run, or cannot be written.
    """
    folder = Path(folder)
    page, tables = _render(read_run(folder), folder)
    path = folder / "report.html"
    try:
        write_tables(folder / "tables", tables)
        write_aside(path, page)
    except OSError as error:
        raise RunFolderError(f"cannot write {path} ({error.strerror}); make the folder writable.") from error
    return path


def _render(run: Run, folder: Path) -> tuple[str, dict[str, Rows]]:
    page = PAGES[run.kind]
    try:
        headline = page.headline(run)
        built = [build(run) for build in page.sections]
        sections = [section for section in built if section is not None]
    except (SurrogateNASError, AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        # A value that no run of this package writes, somewhere inside a file that has all its keys.
        raise RunFolderError(
            f"a file in {folder} is incomplete or was altered ({error}); run the job again."
        ) from error
    result = run.result
    about = ["surrogate_nas", result.job, result.get("table"), result.get("dataset"), result.started[:10]]
    template = _environment().get_template("page.html")
    html = template.render(
        kicker=[part for part in about if part],
        headline=headline,
        sections=sections,
        plotting_code=_plotting_code(),
    )
    return html, {name: rows for section in sections for name, rows in section.tables.items()}


@cache
def _plotting_code() -> str:
    """Return Vega-Lite and what draws it as one script, which ships inside a dependency."""
    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return bundle


def _environment() -> Environment:
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    environment.filters.update({function.__name__: function for function in (*FILTERS, latex, markdown)})
    environment.globals["operation_names"] = OPERATION_NAMES
    return environment
