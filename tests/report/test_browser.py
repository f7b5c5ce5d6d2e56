"""The page in a real browser: plots are drawn, tables sort, and nothing complains."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from surrogate_nas.report import write_report

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

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="needs Chromium: apt-get install chromium"),
]


def opened(page: Path, profile: Path) -> subprocess.CompletedProcess[str]:
    command = [str(BROWSER), *FLAGS, f"--user-data-dir={profile}", page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


def test_the_page_draws_its_plots_and_sorts_its_table(search_folder: Path, tmp_path: Path) -> None:
    page = write_report(search_folder)
    head, tail = page.read_text(encoding="utf-8").rsplit("</body>", 1)
    page.write_text(f"{head}{SORT_BY_ACCURACY_TWICE}</body>{tail}", encoding="utf-8")
    browser = opened(page, tmp_path / "profile")
    assert len(re.findall(r'<svg[^>]*class="marks"', browser.stdout)) == 4
    (table,) = re.findall(r'<table class="sortable trials">.*?</table>', browser.stdout, re.S)
    queries = [int(query) for query in re.findall(r'<td class="number" data-value="(\d+)">\1<', table)]
    assert queries == [9, 10, 6, 12, 7, 4, 5, 8, 2, 1, 3, 11]  # best first, the failed one last
    assert [line for line in browser.stderr.splitlines() if "CONSOLE" in line] == []
