"""What watches trainings while they run: a progress bar for all of them, and learning curves for TensorBoard."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from surrogate_nas.extras import require
from surrogate_nas.verification.executor import Epoch, Event, Failure
from surrogate_nas.verification.recipe import Recipe

SHOWN = 4  # running trainings that fit beside the bar


class ProgressBar:
    """One bar, in epochs of all trainings, with the epoch and loss of those that run; nothing without tqdm."""

    def __init__(self, trainings: int, epochs: int) -> None:
        self.epochs = epochs
        self.trainings = trainings
        self.ended = 0
        self.seen: dict[tuple[str, int], Epoch] = {}  # of the trainings that run, in the order in which they began
        self.bar: Any = None
        if importlib.util.find_spec("tqdm"):
            from tqdm import tqdm

            self.bar = tqdm(total=trainings * epochs, unit="epoch", desc=self._summary())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self.bar is not None:
            self.bar.leave = kind is None or self.bar.n > 0  # of what was refused before it began nothing stays
            self.bar.close()

    def see(self, event: Event) -> None:
        """Move the bar, and say how far each running training is."""
        before = self.seen.get((event.architecture, event.seed))
        done = before.epoch if before else 0
        if isinstance(event, Epoch):
            self.seen[event.architecture, event.seed] = event
            advance = event.epoch - done  # negative where a training began again elsewhere
        else:
            self.seen.pop((event.architecture, event.seed), None)
            self.ended += 1
            advance = self.epochs - done
        if self.bar is None:
            return
        if isinstance(event, Failure):
            self.bar.write(event.reason, file=sys.stderr)
        self.bar.set_description(self._summary(), refresh=False)
        self.bar.set_postfix_str(self._running(), refresh=False)
        self.bar.update(advance)

    def _summary(self) -> str:
        return f"{self.ended} of {self.trainings} trainings"

    def _running(self) -> str:
        told = [f"seed {last.seed}: epoch {last.epoch}, loss {last.loss:.3g}" for last in self.seen.values()]
        rest = len(told) - SHOWN
        return "; ".join(told[:SHOWN]) + (f"; {rest} more" if rest > 0 else "")


class TensorBoard:
    """Learning curves as TensorBoard reads them: a run ``cellNUMBER-seedSEED`` for each training.

    Losses and learning rates are written as they come, accuracies when a training has ended.
    """

    def __init__(self, folder: Path, trainings: Sequence[tuple[str, int]], recipe: Recipe) -> None:
        require("tensorboard", extra="tensorboard", wanted_by="tensorboard=true")
        numbers = {text: number for number, text in enumerate(dict.fromkeys(text for text, _ in trainings), start=1)}
        self.paths = {(text, seed): folder / f"cell{numbers[text]}-seed{seed}" for text, seed in trainings}
        self.recipe = recipe
        self.writers: dict[tuple[str, int], Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for writer in self.writers.values():
            writer.close()

    def see(self, event: Event) -> None:
        """Write what a training has reached."""
        key = (event.architecture, event.seed)
        if isinstance(event, Epoch):
            writer = self._writer(key, event.epoch)
            writer.add_scalar("loss/train", event.loss, event.epoch)
            writer.add_scalar("learning_rate", self.recipe.learning_rate_at(event.epoch - 1), event.epoch)
        elif isinstance(event, Failure):
            self._writer(key).add_text("failure", event.reason)
        else:
            for split, accuracy in event.accuracy.items():
                self._writer(key).add_scalar(f"accuracy/{split}", accuracy, event.epochs)
        if not isinstance(event, Epoch):
            self.writers.pop(key).close()

    def _writer(self, key: tuple[str, int], step: int | None = None) -> Any:
        if key not in self.writers:
            from torch.utils.tensorboard import SummaryWriter

            self.paths[key].mkdir(parents=True, exist_ok=True)
            # what a training that was interrupted wrote after its last checkpoint is written again
            self.writers[key] = SummaryWriter(str(self.paths[key]), purge_step=step)
        return self.writers[key]
