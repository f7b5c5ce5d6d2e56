"""How quickly does a table open, answer and get imported, and can it be trusted? See README.md beside this file.

    SURROGATE_NAS_DATA=FOLDER python benchmarks/table/run.py opening
    SURROGATE_NAS_DATA=FOLDER python benchmarks/table/run.py import --kind nas-bench-201 --architectures 15625

Runs one part; what follows its name are the part's own options (``run.py PART --help``). Each writes into results/.
"""

from __future__ import annotations

import argparse
import runpy
import sys
from pathlib import Path

HERE = Path(__file__).parent
PARTS = {  # name -> script beside this one
    "opening": "open.py",
    "import": "import_official.py",
    "surrogate": "surrogate.py",
    "recipes": "recipes.py",
    "card": "card.py",
}


def main() -> None:
    """Run the part that is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("options", nargs=argparse.REMAINDER, help="of the part")
    chosen = parser.parse_args()
    sys.path.insert(0, str(HERE.parents[1]))  # the import's files are made by the tests' own writer
    sys.argv = [f"run.py {chosen.part}", *chosen.options]
    runpy.run_path(str(HERE / PARTS[chosen.part]), run_name="__main__")


if __name__ == "__main__":
    main()
