"""How well are latencies of a device never seen ranked after ten measurements? See README.md beside this file.

    SURROGATE_NAS_DATA=FOLDER python -m benchmarks.predictor.latency --draws 10

Reads FOLDER/nb201/latency.parquet, the 19 device settings of HELP (Lee et al., NeurIPS 2021). One family of devices at
a time is left out: each of its devices is learned from ten architectures drawn at random and from the devices of all
other families. Writes results/latency-FAMILIES.csv, a row a device: mean Spearman over draws, on all architectures.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from threadpoolctl import threadpool_limits

from surrogate_nas import get_space
from surrogate_nas.metrics import spearman
from surrogate_nas.predictor.additive import Additive
from surrogate_nas.predictor.distilled import Distilled
from surrogate_nas.predictor.transfer import Transfer
from surrogate_nas.record import write_csv

LABELS = 10
# By the model of the hardware (settings of one model differ in the batch), and by its kind.
FAMILIES = {
    "models": {
        "1080ti": "1080ti", "2080ti": "2080ti", "titanx": "titanx", "titanxp": "titanxp", "essential": "essential",
        "gold": "gold", "pixel3": "pixel3", "samsung_a50": "samsung_a50", "samsung_s7": "samsung_s7",
        "silver_4114": "silver_4114", "silver_4210r": "silver_4210r",
    },
    "kinds": {
        "1080ti": "gpu", "2080ti": "gpu", "titanx": "gpu", "titanxp": "gpu", "essential": "phone", "pixel3": "phone",
        "samsung": "phone", "gold": "cpu", "silver": "cpu",
    },
}  # fmt: skip


def main() -> None:
    """Leave out one family at a time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--families", choices=FAMILIES, default="models")
    parser.add_argument("--permuted", action="store_true", help="the measurements of the sources are permuted")
    asked = parser.parse_args()
    rows = pq.read_table(Path(os.environ["SURROGATE_NAS_DATA"]) / "nb201" / "latency.parquet")
    cells = get_space("nb201").parse(rows["architecture"].to_pylist())
    latency = {
        name.removesuffix("_latency_ms"): rows[name].to_numpy() for name in rows.column_names if name != "architecture"
    }
    known = {}
    for at, (device, milliseconds) in enumerate(latency.items()):
        rng = np.random.default_rng(at)
        labels = rng.permutation(milliseconds) if asked.permuted else milliseconds
        known[device] = Distilled(Additive(), [{"dataset": device}]).fit(cells, labels, rng=rng)
    result = []
    for device, milliseconds in latency.items():
        family = family_of(device, asked.families)
        others = [known[other] for other in latency if family_of(other, asked.families) != family]
        told, alone = [], []
        for draw in range(asked.draws):
            few = np.random.default_rng([draw, len(result)]).choice(len(cells), LABELS, replace=False)
            for predictor, into in ((Transfer(Additive(), others), told), (Additive(), alone)):
                predictor.fit(cells[few], milliseconds[few], rng=np.random.default_rng(draw))
                into.append(spearman(predictor.predict(cells).mean, milliseconds))
        row: dict[str, object] = {"device": device, "family": family, "sources": len(others), "draws": asked.draws}
        row |= {"spearman": round(float(np.mean(told)), 4)}
        row |= {"spearman_error": round(float(np.std(told)) / len(told) ** 0.5, 4)}
        result.append(row | {"spearman_alone": round(float(np.mean(alone)), 4)})
        print(result[-1], flush=True)
    name = f"latency-{asked.families}{'-permuted' if asked.permuted else ''}.csv"
    write_csv(Path(__file__).parent / "results" / name, result)
    print(
        "mean",
        np.mean([row["spearman"] for row in result]),
        "alone",
        np.mean([row["spearman_alone"] for row in result]),
    )


def family_of(device: str, families: str) -> str:
    """Return the family whose prefix is the longest of a device's name."""
    prefix = max((prefix for prefix in FAMILIES[families] if device.startswith(prefix)), key=len)
    return FAMILIES[families][prefix]


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
