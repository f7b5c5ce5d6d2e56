"""TransNAS-Bench-101's micro cells (Duan et al., CVPR 2021), as CSV files ``micro_TASK.csv`` of validation accuracy."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from tqdm import tqdm

from surrogate_nas.errors import TableFormatError, expected
from surrogate_nas.space import TRANSNAS
from surrogate_nas.split import Split
from surrogate_nas.table.curves import CurveWriter
from surrogate_nas.table.importers.rows import files_of, numbered_cells, read_csv, without_repeats
from surrogate_nas.table.table import MEAN, Column, Table, joined

# The numbers are the paper's: 0 none, 1 skip, 2 and 3 the convolutions. Their edges go by target and then by source, as
# ours do: read so, all cells without a path from input to output have one and the same accuracy.
OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3")
# The authors' settings: num_epochs in configs/train_from_scratch/TASK/config.py of yawen-d/TransNASBench, fcd4e9c.
EPOCHS = {"class_object": 25, "class_scene": 25, "jigsaw": 10}
PROVENANCE = {
    "version": "v10141024",
    "source": "TransNAS-Bench-101, micro cells, validation accuracy",
    "licence": "MIT",
    "citation": "Y. Duan, X. Chen, H. Xu, Z. Chen, X. Liang, T. Zhang, Z. Li: TransNAS-Bench-101: Improving "
    "Transferability and Generalizability of Cross-Task Neural Architecture Search, CVPR 2021.",
}


def import_micro(path: Path, name: str, _: CurveWriter) -> Table:
    """Return the table of one task's file, or of all tasks in a folder; the tasks are its data sets.

    Raises:
        TableFormatError: a file is missing, damaged, of another task, or disagrees with itself.
    """
    with tqdm(files_of(path, "micro_*.csv"), unit="task", desc=name) as files:
        return joined(name, [_task(file, name) for file in files])


def _task(path: Path, name: str) -> Table:
    task = path.stem.removeprefix("micro_")
    if task not in EPOCHS:
        raise TableFormatError(f"{path}: {expected('task', task, EPOCHS)} Files are named micro_TASK.csv.")
    types = {"arch": pa.string(), "val_accuracy": pa.float64()}
    rows = without_repeats(read_csv(path, types, needed=list(types)).select(list(types)), ["arch"], path)
    population = numbered_cells(rows["arch"].to_pylist(), TRANSNAS, OPERATIONS, TRANSNAS.edges, path)
    column = Column("accuracy", task, Split.VALID, EPOCHS[task], MEAN)
    return Table(name, population, {column: rows["val_accuracy"].to_numpy()}, PROVENANCE)
