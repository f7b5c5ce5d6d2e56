"""The page in a real browser: plots are drawn, tables sort, and nothing complains."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from surrogate_nas.report import write_report
from tests.report.conftest import fit_result, verify_result, write_run
from tests.report.test_compared import comparison, page_of

BROWSER = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--enable-logging=stderr", "--virtual-time-budget=5000", "--window-size=1280,1000", "--dump-dom"),
)
SORT_BY_ACCURACY_TWICE = """
<script>
const heading = document.querySelectorAll("table.sortable th button")[3];
heading.click(); heading.click();
</script>
"""

# After the plots are drawn: the pointer moves over the first dot, and what is shown then stays in the page.
HOVER = """
<script>
setTimeout(() => {
  const dot = document.querySelector("figure.plot svg .mark-symbol path");
  const { left, top, width, height } = dot.getBoundingClientRect();
  const at = { bubbles: true, clientX: left + width / 2, clientY: top + height / 2 };
  for (const name of ["pointerover", "pointermove", "mousemove"]) dot.dispatchEvent(new PointerEvent(name, at));
}, 2000);
</script>
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="needs Chromium: apt-get install chromium"),
]


def opened(page: Path, profile: Path) -> subprocess.CompletedProcess[str]:
    command = [str(BROWSER), *FLAGS, f"--user-data-dir={profile}", page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


def with_script(page: Path, script: str) -> Path:
    head, tail = page.read_text(encoding="utf-8").rsplit("</body>", 1)
    page.write_text(f"{head}{script}</body>{tail}", encoding="utf-8")
    return page


def complaints(browser: subprocess.CompletedProcess[str]) -> list[str]:
    """What scripts logged; a request to anywhere would be among it, for the page's policy forbids all of them."""
    return [line for line in browser.stderr.splitlines() if "CONSOLE" in line]


def plots(browser: subprocess.CompletedProcess[str]) -> int:
    return len(re.findall(r'<svg[^>]*class="marks"', browser.stdout))


def test_a_comparison_is_drawn_and_hovering_shows_numbers(tmp_path: Path) -> None:
    page_of(comparison(), tmp_path / "run")
    browser = opened(with_script(tmp_path / "run" / "report.html", HOVER), tmp_path / "profile")
    assert plots(browser) == 6  # standings, two curves, two diagrams of ranks, the target
    (tooltip,) = re.findall(r'<div id="vg-tooltip-element"[^>]*>.*?</table>', browser.stdout, re.S)
    assert "random" in tooltip
    assert "95 % interval from" in tooltip
    assert complaints(browser) == []


@pytest.mark.parametrize(("result", "drawn"), [(fit_result(), 1), (verify_result(), 2)])
def test_the_other_pages_are_drawn(result: dict[str, Any], drawn: int, tmp_path: Path) -> None:
    browser = opened(write_report(write_run(tmp_path / "run", result)), tmp_path / "profile")
    assert plots(browser) == drawn
    assert complaints(browser) == []


def test_the_page_draws_its_plots_and_sorts_its_table(search_folder: Path, tmp_path: Path) -> None:
    page = with_script(write_report(search_folder), SORT_BY_ACCURACY_TWICE)
    browser = opened(page, tmp_path / "profile")
    assert plots(browser) == 4
    (table,) = re.findall(r'<table class="sortable trials">.*?</table>', browser.stdout, re.S)
    queries = [int(query) for query in re.findall(r'<td class="number" data-value="(\d+)">\1<', table)]
    assert queries == [9, 10, 6, 12, 7, 4, 5, 8, 2, 1, 3, 11]  # best first, the failed one last
    assert complaints(browser) == []
