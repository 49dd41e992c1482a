"""What a noun is a kind of, from WordNet's files: the meaning a small training set cannot teach.

Only training uses this. The classes of a word depend on the word alone, so their vectors end up in
the folded word table.
"""
from __future__ import annotations

from pathlib import Path
from typing import Iterator

_KIND_OF = ("@", "@i")
_SENSES = 3


def _records(path: Path) -> Iterator[list[str]]:
    """Lines as fields, without the licence at the head of the file."""
    with path.open(encoding="latin-1") as file:
        for line in file:
            if not line.startswith("  "):
                yield line.split(" | ")[0].split()


class WordNet:
    """Nouns, the synsets they name, and what each of those is a kind of."""

    def __init__(self, folder: Path) -> None:
        self.parents: dict[str, list[str]] = {}
        self.senses: dict[str, list[str]] = {}
        self.uses: dict[str, int] = {}
        self.irregular: dict[str, str] = {}
        for fields in _records(folder / "data.noun"):
            at = 4 + 2 * int(fields[3], 16)
            pointers = [fields[at + 1 + 4 * i:at + 3 + 4 * i] for i in range(int(fields[at]))]
            self.parents[fields[0]] = [target for kind, target in pointers if kind in _KIND_OF]
        for fields in _records(folder / "index.noun"):
            self.senses[fields[0]] = fields[-int(fields[2]):]
        for fields in _records(folder / "noun.exc"):
            self.irregular[fields[0]] = fields[1]
        for fields in _records(folder / "cntlist.rev"):
            word, _, sense = fields[0].partition("%")
            if sense.startswith("1:"):
                self.uses[word] = self.uses.get(word, 0) + int(fields[2])

    def lemma(self, word: str) -> str | None:
        """The noun that a lower-case word is a form of, if any."""
        forms = [word, self.irregular.get(word, "")]
        for ending, instead in (("ies", "y"), ("es", ""), ("s", "")):
            if word.endswith(ending) and len(word) > len(ending) + 2:
                forms.append(word[:-len(ending)] + instead)
        return next((form for form in forms if form in self.senses), None)

    def classes(self, word: str) -> list[str]:
        """The synsets of a word's first senses and all that they are kinds of."""
        lemma = self.lemma(word)
        found: dict[str, None] = {}
        waiting = list(self.senses.get(lemma or "", []))[:_SENSES]
        while waiting:
            synset = waiting.pop(0)
            if synset not in found:
                found[synset] = None
                waiting += self.parents[synset]
        return list(found)

    def common(self, amount: int) -> list[str]:
        """The most used single-word nouns."""
        words = [word for word in self.senses if "_" not in word]
        words.sort(key=lambda word: (-self.uses.get(word, 0), -len(self.senses[word]), word))
        return words[:amount]
