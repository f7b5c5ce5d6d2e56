# ruff: noqa: E501 (lines of the card)
"""Write the data card of nb201-digits: coverage, noise between seeds, and agreement with real CIFAR tables.

SURROGATE_NAS_DATA=FOLDER python benchmarks/table/run.py card
"""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from surrogate_nas import load_table
from surrogate_nas.build import plan
from surrogate_nas.metrics import kendall_tau
from surrogate_nas.space import Population
from surrogate_nas.table import Table
from surrogate_nas.table.catalog import EMBEDDED
from surrogate_nas.table.noise import seed_noise

CARD = EMBEDDED / "nb201-digits.md"
RANDOM = 1000  # classes that were drawn at random for all seeds
LEVELS = (20, 40, 50, 60, 65)  # percent, at which the noise is told


def card(table: Table, reference: Table) -> str:
    """Return the data card as Markdown.

    Args:
        table: nb201-digits.
        reference: NAS-Bench-201 with its published means for cifar10 and cifar100.
    """
    seeds = table.seeds("digits", table.splits("digits")[0], max(table.epochs("digits", table.splits("digits")[0])))
    by_seed = {seed: table.accuracy(dataset="digits", split="valid", seed=seed) for seed in seeds}
    counts = np.sum([~np.isnan(values) for values in by_seed.values()], axis=0)
    drawn = table.find(_drawn(table))
    noise = seed_noise(table, dataset="digits", split="valid")
    mean, test = (table.accuracy(dataset="digits", split=split) for split in ("valid", "test"))
    winner = int(np.nanargmax(mean))
    training = table.provenance["training"]
    lines = [
        "# nb201-digits",
        "",
        f"{len(table):,} classes of equal function of NAS-Bench-201's 15,625 cells, each trained for real on the task `digits` with the",
        f"recipe `{training['recipe']}` of this project. {_counted(counts)}",
        f"All seeds were given to the first {RANDOM:,} classes of one fixed random order, and to the 200 best by seed {seeds[0]} alone;",
        "the best ones' accuracies with that seed are therefore the luckiest, and fall with the others.",
        "",
        f"- Images: {_settings(training['data_settings'])}.",
        f"- Recipe: {_settings(training['recipe_settings'])}.",
        f"- Source: {table.provenance['source']}. Licence: {table.provenance['licence']}. {table.provenance['citation']}",
        f"- Validation-best (mean over its seeds): `{table.population.texts[winner]}`, {mean[winner]:.2f} %, test {test[winner]:.2f} %.",
        f"- Seconds of one training on one core that it shared with other work: {_range(table.train_seconds(dataset='digits'))}.",
        "- One machine repeats its trainings to the last bit. Another kind of processor adds in another order, which acts like another",
        "  seed: `surrogate-nas table build nb201-digits --check 20` trains 20 random entries again and judges the differences by the noise",
        "  between seeds. The table was built on two kinds of processor (seed 777 of 3,125 classes on an AMD EPYC,",
        "  all else on an Intel Xeon).",
        "",
        "## Noise ceiling",
        "",
        f"Kendall's tau of validation accuracies between seeds, over the {RANDOM:,} classes drawn at random:",
        "",
        "| seeds | tau |",
        "|---|---|",
        *(f"| {a}, {b} | {kendall_tau(by_seed[a][drawn], by_seed[b][drawn]):.3f} |" for a, b in combinations(seeds, 2)),
        "",
        "Standard deviation between seeds, in points, by accuracy (pooled within classes over the 100 nearest ones; "
        f"{noise.freedom} or more degrees of freedom):",
        "",
        "| accuracy | " + " | ".join(f"{level} %" for level in LEVELS) + " |",
        "|---" * (len(LEVELS) + 1) + "|",
        "| deviation | " + " | ".join(f"{value:.2f}" for value in noise.at(LEVELS)) + " |",
        "",
        "## Agreement with real tables",
        "",
        "Kendall's tau with NAS-Bench-201's validation accuracies after 200 epochs, averaged over the cells of a class:",
        "",
        "| classes | n | CIFAR-10 | CIFAR-100 |",
        "|---|---|---|---|",
        *(
            f"| {what} | {len(rows):,} | "
            + " | ".join(f"{_agreement(table, values, rows, reference, name):.3f}" for name in ("cifar10", "cifar100"))
            + " |"
            for what, values, rows in (
                (f"all, seed {seeds[0]}", by_seed[seeds[0]], np.arange(len(table))),
                (f"drawn at random, seed {seeds[0]}", by_seed[seeds[0]], drawn),
                ("the same, mean of all seeds", mean, drawn),
            )
        ),
        "",
    ]
    return "\n".join(lines)


def _drawn(table: Table) -> Population:
    jobs = plan(table.space, classes=RANDOM, seeds=[0])
    return table.space.parse([job.architecture.text for job in jobs])


def _counted(counts: NDArray[np.int64]) -> str:
    return " ".join(
        f"{(counts == count).sum():,} of them with {count} seed{'s' if count > 1 else ''}."
        for count in np.unique(counts)
    )


def _settings(settings: dict[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items())


def _range(values: NDArray[np.float64]) -> str:
    low, middle, high = np.nanquantile(values, [0.05, 0.5, 0.95])
    return f"{middle:.1f} (5 to 95 percent of them: {low:.1f} to {high:.1f})"


def _agreement(
    table: Table, values: NDArray[np.float64], rows: NDArray[np.int64], reference: Table, dataset: str
) -> float:
    published = reference.accuracy(dataset=dataset, split="valid", epochs=200)
    keys, inverse = np.unique(reference.population.key, return_inverse=True)
    by_class = np.bincount(inverse, published) / np.bincount(inverse)
    return kendall_tau(values[rows], by_class[np.searchsorted(keys, table.population.key[rows])])


if __name__ == "__main__":
    CARD.write_text(card(load_table("nb201-digits"), load_table("nb201")), encoding="utf-8")
    print(Path(CARD).read_text(encoding="utf-8"))
