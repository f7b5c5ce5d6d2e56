"""Numbers as a reader wants to see them."""

from __future__ import annotations

NOTHING = "\N{EN DASH}"
SPACE = "\N{NO-BREAK SPACE}"  # between a number and its unit

# Seconds in each unit, and from how many of them on the unit is used.
_UNITS = (("years", 365.25 * 86400, 2), ("days", 86400, 2), ("hours", 3600, 2), ("minutes", 60, 2))
_SPLITS = {"valid": "validation", "train": "training", "valtest": "validation and test"}


def percent(value: float | None, digits: int = 2) -> str:
    """Return a percentage, such as 94.37 %."""
    return NOTHING if value is None else f"{value:.{digits}f}{SPACE}%"


def percent_spread(mean: float, std: float | None) -> str:
    """Return mean and standard deviation of percentages, such as 94.37 ± 0.12 %; the mean alone without the latter."""
    return percent(mean) if std is None else f"{mean:.2f} ± {percent(std)}"


def number(value: float | None) -> str:
    """Return a number with three decimals, as rank correlations are quoted."""
    return NOTHING if value is None else f"{value:.3f}"


def probability(value: float | None) -> str:
    """Return a p-value: three decimals, and no more than is known of very small ones."""
    return NOTHING if value is None else "< .001" if value < 0.001 else f"{value:.3f}"


def digits(value: float | None) -> str:
    """Return a number with two decimals, for a table whose heading names the unit."""
    return NOTHING if value is None else f"{value:.2f}"


def blank(value: float | None) -> str:
    """Return a number as a table sorts by it: in full, and nothing where there is none."""
    return "" if value is None else repr(value)


def times(factor: float) -> str:
    """Return a factor with at most one decimal, such as 3.4 or 216."""
    return f"{factor:.1f}" if factor < 10 else f"{factor:,.0f}"


def count(value: int) -> str:
    """Return a whole number with thousands separated, such as 15,625."""
    return f"{value:,}"


def share(part: float, whole: float) -> str:
    """Return a part of a whole as a percentage of two significant digits, such as 0.38 %."""
    percentage = 100 * part / whole
    return percent(percentage, digits=0 if percentage >= 10 else 1 if percentage >= 1 else 2)


def duration(seconds: float | None) -> str:
    """Return a time in the largest unit of which there are at least two, such as 3.1 years or 15 hours."""
    if seconds is None:
        return NOTHING
    for unit, length, least in _UNITS:
        if seconds >= least * length:
            return _amount(seconds / length, unit)
    return _amount(seconds, "seconds")


def split_name(split: str) -> str:
    """Return what a split is called in a sentence: validation for valid."""
    return _SPLITS.get(split, split)


def _amount(value: float, unit: str) -> str:
    return f"{value:,.1f}{SPACE}{unit}" if value < 10 else f"{value:,.0f}{SPACE}{unit}"
