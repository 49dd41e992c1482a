"""Labelled questions: reading them, their label tree, folds and batches."""
from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable, Iterator, Sequence

import torch

from labels import LabelTree


@dataclass(frozen=True)
class Question:
    """A text with its fine label, written COARSE:fine."""
    text: str
    label: str


def question_tree(labels: Iterable[str]) -> LabelTree:
    """The tree of labels COARSE:fine, each level in alphabetical order."""
    groups: dict[str, list[str]] = {}
    for label in sorted(set(labels)):
        groups.setdefault(label.split(":")[0], []).append(label)
    return LabelTree(groups)


def read_questions(path: Path) -> list[Question]:
    """Reads lines of `COARSE:fine question words`, Latin-1."""
    lines = path.read_text(encoding="latin-1").split("\n")
    pairs = [line.strip().split(" ", 1) for line in lines if line.strip()]
    return [Question(text=text, label=label) for label, text in pairs]


def fold_of(questions: Sequence[Question], folds: int, seed: int) -> list[int]:
    """A fold for each question; equal texts share one, so none leaks into its own validation."""
    texts = sorted({question.text for question in questions})
    random.Random(seed).shuffle(texts)
    where = {text: position % folds for position, text in enumerate(texts)}
    return [where[question.text] for question in questions]


def collate(rows: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Pads rows with 0: ids [batch, time] int64 and lengths [batch] int64."""
    lengths = torch.tensor([len(row) for row in rows])
    ids = torch.zeros(len(rows), int(lengths.max()), dtype=torch.int64)
    for position, row in enumerate(rows):
        ids[position, :len(row)] = torch.tensor(row)
    return ids, lengths


def batches(lengths: Sequence[int], size: int, generator: random.Random) -> Iterator[list[int]]:
    """Shuffled batches of indices, each of similar lengths, longest first."""
    order = list(range(len(lengths)))
    generator.shuffle(order)
    pool = size * 16
    groups: list[list[int]] = []
    for start in range(0, len(order), pool):
        window = sorted(order[start:start + pool], key=lambda i: -lengths[i])
        groups += [window[i:i + size] for i in range(0, len(window), size)]
    generator.shuffle(groups)
    yield from groups
