"""Splits a text into words and looks words up in a vocabulary.

The server implements exactly the same rule; the golden file holds both to it.
It is a plain scan over characters: no regular expressions, no locale.
"""
from __future__ import annotations

import unicodedata
from collections import Counter
from pathlib import Path
from typing import Iterable, Sequence

PAD, UNK = "<pad>", "<unk>"
SHAPES = ("number", "mixed", "upper", "title", "lower", "other")

_OPENING = frozenset("\"'([{<$#`")
_CLOSING = frozenset("?!,;:\"')]}>%`")
_PAIRS = ("``", "''")
_CONTROL_SPACES = frozenset("\t\n\v\f\r\u0020\u0085")
_DIGITS = frozenset("0123456789")


def is_space(char: str) -> bool:
    """True for the characters that separate chunks."""
    return char in _CONTROL_SPACES or unicodedata.category(char) in ("Zs", "Zl", "Zp")


def is_letter(char: str) -> bool:
    """True for the Unicode categories L*."""
    return unicodedata.category(char).startswith("L")


def chunks(text: str) -> list[str]:
    """Cuts a text at whitespace."""
    found: list[str] = []
    start = -1
    for index, char in enumerate(text):
        if is_space(char):
            if start >= 0:
                found.append(text[start:index])
            start = -1
        elif start < 0:
            start = index
    if start >= 0:
        found.append(text[start:])
    return found


def _is_clitic(text: str) -> bool:
    """True for an apostrophe followed by one or two letters and nothing else ('s, 're, 't)."""
    return 2 <= len(text) <= 3 and text[0] == "'" and all(map(is_letter, text[1:]))


def _split_chunk(rest: str, last: bool) -> Iterable[str]:
    """Splits one chunk; `last` says that it is the last chunk of its text."""
    while rest and not _is_clitic(rest):
        width = 2 if rest.startswith(_PAIRS) else 1 if rest[0] in _OPENING else 0
        if width == 0:
            break
        yield rest[:width]
        rest = rest[width:]
    if _is_clitic(rest):
        yield rest
        return

    tail: list[str] = []
    while rest:
        if rest.endswith("''"):
            width = 2
        elif rest[-1] in _CLOSING:
            width = 1
        elif last and rest[-1] == "." and len(rest) > 1 and "." not in rest[:-1]:
            width = 1
        else:
            break
        tail.append(rest[-width:])
        rest = rest[:-width]

    cut = rest.rfind("'")
    if cut >= 1 and _is_clitic(rest[cut:]):
        yield rest[:cut]
        yield rest[cut:]
    elif rest:
        yield rest
    yield from reversed(tail)


def split(text: str) -> list[str]:
    """Splits a text into tokens; none of them is empty."""
    parts = chunks(text)
    return [token for index, part in enumerate(parts)
            for token in _split_chunk(part, last=index == len(parts) - 1)]


def lower(token: str) -> str:
    """Lower case, character by character, where that is one BMP character for one."""
    def one(char: str) -> str:
        small = char.lower()
        return small if char <= "\uffff" and len(small) == 1 and small <= "\uffff" else char
    return "".join(map(one, token))


def shape(token: str) -> str:
    """The kind of a word that the vocabulary does not hold; one of SHAPES."""
    digits = any(char in _DIGITS for char in token)
    if digits:
        plain = all(char in _DIGITS or char in ".,-" for char in token)
        return "number" if plain else "mixed"
    letters = [char for char in token if is_letter(char)]
    if len(token) >= 2 and letters and all(unicodedata.category(c) == "Lu" for c in letters):
        return "upper"
    if unicodedata.category(token[0]) == "Lu":
        return "title"
    return "lower" if is_letter(token[0]) else "other"


def is_reserved(token: str) -> bool:
    """True for a token spelt like <pad>: it never matches the entry of that name."""
    return len(token) > 2 and token[0] == "<" and token[-1] == ">"


def bucket_names(token: str) -> list[str]:
    """The entries that may stand for an unknown word, most specific first."""
    kind, small = shape(token), lower(token)
    suffixes = [f"<unk:{kind}:{small[-n:]}>" for n in (3, 2) if len(token) > n]
    return [*suffixes, f"<unk:{kind}>", UNK]


class Vocabulary:
    """Words by id. Line number = id; 0 is padding, 1 the unknown word."""

    def __init__(self, entries: Sequence[str]) -> None:
        if list(entries[:2]) != [PAD, UNK] or len(set(entries)) != len(entries):
            raise ValueError("a vocabulary starts with <pad>, <unk> and holds no entry twice")
        self.entries = list(entries)
        self.index = {entry: position for position, entry in enumerate(entries)}

    def __len__(self) -> int:
        return len(self.entries)

    def bucket(self, token: str) -> int:
        """Id of the entry that stands for a word taken as unknown."""
        return next(self.index[name] for name in bucket_names(token) if name in self.index)

    def lookup(self, token: str) -> int:
        """Id of a word: as it stands, else in lower case, else its bucket."""
        if is_reserved(token):
            return self.bucket(token)
        for form in (token, lower(token)):
            if form in self.index:
                return self.index[form]
        return self.bucket(token)

    def encode(self, text: str) -> list[int]:
        """Ids of a text's words; empty for a text without any."""
        return [self.lookup(token) for token in split(text)]

    def save(self, path: Path) -> None:
        """Writes UTF-8 with one entry a line."""
        path.write_bytes(("\n".join(self.entries) + "\n").encode("utf-8"))

    @classmethod
    def load(cls, path: Path) -> "Vocabulary":
        """Reads what `save` wrote."""
        return cls(path.read_bytes().decode("utf-8").removesuffix("\n").split("\n"))


def build_vocabulary(texts: Iterable[str], extra: Iterable[str] = (), min_bucket: int = 5,
                     rare: int = 2) -> Vocabulary:
    """Collects lower-case words, and a bucket for each shape and frequent ending of rare words.

    extra: words to add after those of the texts; only what splits into itself is taken.
    """
    cased = Counter(token for text in texts for token in split(text) if not is_reserved(token))
    words = Counter()
    for token, count in cased.items():
        words[lower(token)] += count
    endings = Counter(name for token in cased if words[lower(token)] <= rare
                      for name in bucket_names(token)[:-2])
    buckets = [f"<unk:{kind}>" for kind in SHAPES]
    buckets += sorted(name for name, count in endings.items() if count >= min_bucket)
    ranked = sorted(words, key=lambda word: (-words[word], word))
    added = [word for word in dict.fromkeys(extra) if word not in words and lower(word) == word
             and split(word) == [word] and not is_reserved(word)]
    return Vocabulary([PAD, UNK, *buckets, *ranked, *added])
