"""The job ``table``: each of its actions is a module of its own."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from surrogate_nas import table_build, table_export, table_fetch, table_import, table_show


def run(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    """Run one of the job's actions."""
    parser.description = "List the known tables; show, import, fetch or export one, or build one by training."
    actions = parser.add_subparsers(dest="action", required=True)
    table_show.add_parsers(actions)
    table_import.add_parser(actions)
    table_fetch.add_parser(actions)
    table_build.add_parser(actions)
    table_export.add_parser(actions)
    chosen = parser.parse_args(arguments)
    action = {
        "list": table_show.run_list,
        "info": table_show.run_info,
        "import": table_import.run,
        "fetch": table_fetch.run,
        "build": table_build.run,
        "export": table_export.run,
    }
    action[chosen.action](chosen)
