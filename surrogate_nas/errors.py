"""Every error that the package raises on purpose: one rooted tree, each message a sentence that says what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SurrogateNASError(Exception):
    """The root of all errors of this package.

    A message names what was wrong, what was got, what is allowed and what to do next.
    """

    def __str__(self) -> str:
        # KeyError shows the repr of its message; a sentence should read the same whichever builtin is mixed in.
        return str(self.args[0]) if self.args else ""


class InvalidArchitectureError(SurrogateNASError, ValueError):
    """A text or a matrix of decisions that is no architecture of the space."""


class UnknownSpaceError(SurrogateNASError, KeyError):
    """A search space that does not exist."""


class UnknownTableError(SurrogateNASError, KeyError):
    """A table that is neither embedded nor in any data folder."""


class NotMeasuredError(SurrogateNASError, LookupError):
    """A data set, split, length of training, seed or architecture that a table does not hold."""


class TableFormatError(SurrogateNASError, ValueError):
    """A table whose columns or values are not those of the format."""


class TableIntegrityError(SurrogateNASError, ValueError):
    """A table file that is truncated or was altered after it was written."""


class ForbiddenTypeError(SurrogateNASError, ValueError):
    """A pickle that names a type or function which no source of its kind holds; nothing of it was run."""


class UnknownMethodError(SurrogateNASError, KeyError):
    """A sampler, predictor, recipe or data source that has no configuration of that name."""


class SettingError(SurrogateNASError, ValueError):
    """A setting outside what is allowed."""


class MissingExtraError(SurrogateNASError, ImportError):
    """A package that a setting needs and that is not installed."""


class TargetError(SurrogateNASError, ValueError):
    """Targets that a predictor cannot be fitted to."""


class LeakageError(SurrogateNASError, ValueError):
    """Labels of the very task that would be seen and not counted."""


class NotFittedError(SurrogateNASError, RuntimeError):
    """A predictor that was asked before it was fitted."""


class SavedPredictorError(SurrogateNASError, ValueError):
    """A saved predictor that is incomplete, altered or of another version or space."""


class DataError(SurrogateNASError, ValueError):
    """Images or labels that cannot be trained on."""


class TrainingError(SurrogateNASError):
    """A training that ended without a result; others go on."""


class DivergedError(TrainingError, ArithmeticError):
    """A training whose loss is no longer finite."""


class ExhaustedError(TrainingError, MemoryError):
    """A training that ran out of memory."""


class StorageError(TrainingError, OSError):
    """A training whose checkpoint cannot be written, for instance to a full disk."""


class StoppedError(SurrogateNASError):
    """A training that was asked to stop; it goes on from its checkpoint when it is started again."""


class CheckpointError(SurrogateNASError, ValueError):
    """A checkpoint that is damaged, of another run or of another version."""


class DownloadError(SurrogateNASError, OSError):
    """A file that no address delivers as it must be."""


class RunFolderError(SurrogateNASError, OSError):
    """A run folder that cannot be written, or that belongs to another run."""


class StudyStorageError(SurrogateNASError, OSError):
    """A storage of a study that cannot be opened, or that stayed away."""


class StudyError(SurrogateNASError, ValueError):
    """A study that belongs to another search."""


class WarmStartError(SurrogateNASError, ValueError):
    """Measurements to start from that cannot be understood."""


class MeasurementError(SurrogateNASError, RuntimeError):
    """Measurements that keep failing for a reason that is not the architectures'."""


def expected(what: str, got: object, allowed: Iterable[object]) -> str:
    """Return the sentence that ``got`` is no known ``what``, with the closest match first when there is one."""
    names = [str(name) for name in allowed]
    close = difflib.get_close_matches(str(got), names, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return f"unknown {what} {got!r}.{hint} Known: {', '.join(names) or 'none'}."
