"""The predictors that ship with the package: fitted to every label of an embedded table, and to nothing else.

    python -m surrogate_nas.pretrain

writes ``nb201-digits.safetensors``, where ``load_predictor("nb201-digits")`` finds it, again. Whoever searches or fits
the images that it learned from must leave it out; ``surrogate_nas.predictor.leakage`` tells.
"""

from __future__ import annotations

from pathlib import Path

from surrogate_nas.predictor import SHIPPED
from surrogate_nas.sources import smoothed
from surrogate_nas.table import load_table

COMMAND = "python -m surrogate_nas.pretrain"
TABLE, DATASET = "nb201-digits", "digits"


def main(folder: Path = SHIPPED) -> None:
    """Write the shipped predictors."""
    predictor = smoothed(load_table(TABLE), DATASET)
    predictor.sources = [{**source, "command": COMMAND} for source in predictor.sources]
    predictor.save(folder / f"{TABLE}.safetensors")


if __name__ == "__main__":
    main()
