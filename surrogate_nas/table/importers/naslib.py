"""NASLib's excerpts of NAS-Bench-201 v1.0: pickles of the mean validation and test accuracy of each architecture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from surrogate_nas.errors import TableFormatError, expected
from surrogate_nas.space import NB201
from surrogate_nas.split import Split
from surrogate_nas.table.curves import CurveWriter
from surrogate_nas.table.importers.restricted_pickle import read_pickle
from surrogate_nas.table.importers.rows import files_of
from surrogate_nas.table.table import MEAN, Column, Table, joined

# Its name -> ours. Though the name is ``cifar10-valid``, the second number is the test accuracy after training on all
# 50,000 images: over all architectures it differs from NATS-Bench's by 0.0000003 points in the median.
DATASETS = {"cifar10-valid": "cifar10", "cifar100": "cifar100", "ImageNet16-120": "ImageNet16-120"}
SPLITS = (Split.VALID, Split.TEST)  # of the two numbers under "eval_acc1es"
EPOCHS = 200
PROVENANCE = {
    "version": "v1_0",
    "source": "NAS-Bench-201 v1.0, means over seeds, as excerpted by NASLib",
    "licence": "Apache-2.0",
    "citation": "X. Dong, Y. Yang: NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search, "
    "ICLR 2020.",
}


def import_means(path: Path, name: str, _: CurveWriter) -> Table:
    """Return the table of one data set's pickle, or of all in a folder.

    Raises:
        ForbiddenTypeError: a pickle names a type that none of these holds.
        TableFormatError: a file is missing, damaged, or has another form.
    """
    with tqdm(files_of(path, "*.pickle"), unit="file", desc=name) as files:
        return joined(name, [_dataset(file, name) for file in files])


def _dataset(path: Path, name: str) -> Table:
    with path.open("rb") as file:
        by_text = read_pickle(file, path)
    if not isinstance(by_text, dict) or not by_text:
        raise TableFormatError(f"{path} holds no architectures by text; it is no excerpt of NASLib.")
    try:
        named = {dataset for results in by_text.values() for dataset in results}
        values = {dataset: _values(by_text, dataset) for dataset in sorted(named)}
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise TableFormatError(
            f"{path} has not the form of NASLib's excerpts, text -> data set -> 'eval_acc1es' -> two accuracies "
            f"({type(error).__name__}: {error})."
        ) from error
    for dataset in values:
        if dataset not in DATASETS:
            raise TableFormatError(f"{path}: {expected('data set', dataset, DATASETS)}")
    columns = {
        Column("accuracy", DATASETS[dataset], split, EPOCHS, MEAN): pair[:, at]
        for dataset, pair in values.items()
        for at, split in enumerate(SPLITS)
    }
    return Table(name, NB201.parse(list(by_text)), columns, PROVENANCE)


def _values(by_text: Mapping[str, Any], dataset: str) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return (n, 2) accuracies in percent."""
    pairs = [results[dataset]["eval_acc1es"] for results in by_text.values()]
    return np.array(pairs, dtype=np.float64).reshape(len(pairs), len(SPLITS))
