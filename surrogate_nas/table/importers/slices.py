"""Read a large pickle a few architectures at a time; the numbers of a record stay in the file until it is used.

PyTorch's safe mode reads a file as a whole, byte by byte: the official file of NAS-Bench-201 would take 20 minutes and
many gigabytes. Nearly all of it is numbers. So the file is walked once, which builds nothing and refuses every type
that is not admitted; the walk notes the file's outline. A slice is the same file with some of the records, in which one
entry stands for each run of numbers and tells where it lies; the numbers are put back when the record is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from tqdm import tqdm

from surrogate_nas.table.curves import ARCHITECTURES_PER_GROUP
from surrogate_nas.table.importers.outline import LEFT_OUT, Outline, outlined
from surrogate_nas.table.importers.runs import Numbers, RunForms
from surrogate_nas.table.importers.tokens import Place, Token, tokens

Texts = list[tuple[Sequence[int], Sequence[Any]]]  # of runs that have some: places in the memo, and the texts
AT_ONCE = ARCHITECTURES_PER_GROUP  # that are read together: about 15 MB, as their numbers stay in the file


class Form(NamedTuple):
    """How a file is read.

    Attributes:
        place: returns where the pickles lie in a file.
        admitted: yields the tokens it is given, or raises at the first type that is not admitted.
        load: returns what a slice holds.
    """

    place: Callable[[Path], Place]
    admitted: Callable[[Iterator[Token]], Iterator[Token]]
    load: Callable[[IO[bytes]], Any]


def cut(path: Path, form: Form) -> Outline:
    """Return the outline of a file.

    Args:
        path: the file.
        form: of the file.

    Raises:
        ForbiddenTypeError: the file names a type that is not admitted; nothing of it was run.
        TableFormatError: it is truncated or damaged.
        OSError, BadZipFile: it cannot be read.
    """
    place, forms = form.place(path), RunForms()
    size = int(min(place.end, path.stat().st_size)) - place.start
    with path.open("rb") as file:
        with tqdm(total=size, unit="B", unit_scale=True, desc=f"reading {path.name}") as bar:
            parts = outlined(form.admitted(tokens(file, place, bar, forms=forms)), forms)
        if parts is None:
            file.seek(place.start)
            parts = file.read(size), [], b""
    head, items, tail = parts
    return Outline(path, form.load, place.before + head, items, tail + place.after)


def read(outline: Outline, numbers: Iterable[int]) -> Any:
    """Return what the file holds, of its items only those of the numbers given and those that they refer to.

    Args:
        outline: of the file.
        numbers: of architectures.
    """
    with outline.path.open("rb") as file:
        content = outline.slice(numbers, file)
    return outline.load(BytesIO(content))


class Slice(NamedTuple):
    """Some records of a file, to be read here or in another process.

    Attributes:
        path: the file.
        load: returns what the content holds.
        content: the file with these records only, without their numbers.
        whole: records that are none of its items, by the numbers of their architectures.
        numbers: of the architectures.
    """

    path: Path
    load: Callable[[IO[bytes]], Any]
    content: bytes
    whole: dict[int, Any]
    numbers: Sequence[int]

    def records(self) -> Iterator[Any]:
        """Yield the record of each architecture, in the order of their numbers."""
        infos = self.whole | self.load(BytesIO(self.content))["arch2infos"]
        forms = RunForms()
        with self.path.open("rb") as file:
            for number in self.numbers:
                yield filled(infos.pop(number), file, forms)


def divided(outline: Outline, whole: Mapping[int, Any], numbers: Sequence[int]) -> Iterator[Slice]:
    """Yield the records of architectures, ``AT_ONCE`` together, in the order of their numbers.

    Args:
        outline: of the file.
        whole: records that are none of its items.
        numbers: of the architectures.
    """
    with outline.path.open("rb") as file:
        for start in range(0, len(numbers), AT_ONCE):
            chosen = numbers[start : start + AT_ONCE]
            content = outline.slice([number for number in chosen if number not in whole], file)
            apart = {number: whole[number] for number in chosen if number in whole}
            yield Slice(outline.path, outline.load, content, apart, chosen)


def filled(record: Any, file: IO[bytes], forms: RunForms) -> Any:
    """Return a whole record, with the numbers that ``read`` left in the file.

    A dictionary that was nothing but numbers comes back as ``Numbers``.

    Args:
        record: of one architecture.
        file: the open file.
        forms: of its runs.
    """
    texts: Texts = []

    def fill(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        whole: dict[Any, Any] = {}
        for key, part in value.items():
            if type(key) is int and key >= LEFT_OUT:
                numbers = _numbers(file, key - LEFT_OUT, part, forms, texts)
                if len(value) == 1:
                    return numbers
                whole.update(numbers)
            else:
                whole[key] = fill(part)
        return whole

    return fill(record)


def _numbers(file: IO[bytes], offset: int, length: int, forms: RunForms, texts: Texts) -> Numbers:
    """Return the entries of the runs that follow each other; their texts are added to those of earlier ones."""
    file.seek(offset)
    runs = [*forms.runs(file.read(length))]
    keys = []
    for run in runs:
        keys.append(_known(run.places, texts) if run.keys is None else run.keys)
        if run.keys is not None and run.places:
            texts.append((run.places, run.keys))
    if len(runs) == 1:
        return Numbers(keys[0], runs[0].values)
    return Numbers((*chain.from_iterable(keys),), np.concatenate([run.values for run in runs]))


def _known(places: Sequence[int], texts: Texts) -> Sequence[Any]:
    """Return the texts at places in the memo, which are keys of earlier runs."""
    if isinstance(places, range):
        for known, keys in texts:
            if isinstance(known, range) and places[0] in known and places[-1] in known:
                return keys[places[0] - known[0] :][: len(places)]
    text = {place: key for known, keys in texts for place, key in zip(known, keys, strict=True)}
    return tuple(text[place] for place in places)
