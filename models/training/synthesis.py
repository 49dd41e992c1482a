"""Unlabelled questions for distillation, made by crossing questions over.

Two questions that share two neighbouring words are cut there; the start of one is joined to the
end of the other. The result reads like a question, and the teachers say what it asks for.
"""
from __future__ import annotations

import random
from typing import Sequence

Pair = tuple[int, int]


def cross_over(rows: Sequence[Sequence[int]], amount: int, seed: int, longest: int = 30) -> list[list[Pair]]:
    """Makes `amount` distinct new questions; each is a list of (row, position) of the words it takes."""
    generator = random.Random(seed)
    places: dict[Pair, list[Pair]] = {}
    for row, words in enumerate(rows):
        for position in range(len(words) - 2):
            places.setdefault((words[position], words[position + 1]), []).append((row, position))
    seen = {tuple(words) for words in rows}
    made: list[list[Pair]] = []
    for _ in range(amount * 50):
        if len(made) == amount:
            break
        row = generator.randrange(len(rows))
        words = rows[row]
        if len(words) < 4:
            continue
        position = generator.randrange(len(words) - 2)
        other, start = generator.choice(places[words[position], words[position + 1]])
        taken = [(row, i) for i in range(position)] + [(other, i) for i in range(start, len(rows[other]))]
        text = tuple(rows[r][i] for r, i in taken)
        if 3 <= len(text) <= longest and text not in seen:
            seen.add(text)
            made.append(taken)
    return made
