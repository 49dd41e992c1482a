"""Checks the training package and the committed models; no arguments are needed.

With --data DIR it also rebuilds the vocabulary from the real questions and compares it, with --har DIR
the scale of the channels from the real windows.
"""
from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Callable

import numpy as np
import onnx

import check_activity
from check_shared import GOLDEN as GOLDENS, MODELS, committed_graph, labels_fit, trained_twice
from data import read_questions
from golden_texts import TEXTS
from run_graph import run_graph, softmax
from tokenizer import Vocabulary, build_vocabulary, split

MODEL = MODELS / "questions" / "1"
GOLDEN = GOLDENS / "questions" / "golden.json"
TOLERANCE = 2e-5

TEMPLATES = {
    "PLACE:town": ["In which town is the {} ?", "What town is known for its {} ?"],
    "PLACE:country": ["What country exports a {} ?", "Which country banned the {} ?"],
    "THING:tool": ["What tool cuts a {} ?", "What do people use to mend a {} ?"],
    "THING:food": ["What food is made from a {} ?", "What can you cook with a {} ?"],
    "COUNT:many": ["How many parts has a {} ?", "How many owners had the {} ?"],
    "COUNT:age": ["How old is the {} ?", "What age is the {} ?"],
    "COUNT:only": ["What number is painted on the {} ?"],
}
NOUNS = ["copper kettle", "wooden ladder", "silver whistle", "paper lantern", "yellow tractor",
         "marble statue", "garden fence", "river barge", "velvet curtain", "glass marble",
         "stone bridge", "carved pumpkin"]


def write_questions(folder: Path) -> None:
    """Writes a small made-up question set in the format of the real one."""
    lines = [f"{label} {template.format(noun)}" for (label, templates), noun
             in itertools.product(TEMPLATES.items(), NOUNS) for template in templates]
    for name, chosen in (("train.txt", lines), ("test.txt", lines[::5])):
        (folder / name).write_text("\n".join(chosen) + "\n", encoding="latin-1")


def train_twice() -> None:
    """The training command writes the same files each time."""
    trained_twice("train.py", write_questions,
                  ["--wordnet", "none", "--seeds", "1", "--teachers", "2", "--made-up", "100", "--epochs", "2"],
                  ["model.onnx", "vocab.txt", "labels.json", "model.json", "README.md", "golden.json"])


def golden_tokens() -> None:
    """Splitting and looking up agree with the golden file."""
    vocabulary = Vocabulary.load(MODEL / "vocab.txt")
    entries = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert [entry["text"] for entry in entries] == TEXTS, "the golden file holds other texts"
    for entry in entries:
        assert split(entry["text"]) == entry["tokens"], entry["text"]
        assert vocabulary.encode(entry["text"]) == entry["ids"], entry["text"]


def graph() -> None:
    """The committed model is valid, small, and free of fixed batch and time sizes."""
    words = next(item for item in committed_graph(MODEL).graph.initializer if item.name == "words.weight")
    assert words.dims[0] == len(Vocabulary.load(MODEL / "vocab.txt")), "vocab.txt has another length"


def labels() -> None:
    """labels.json and model.json fit the graph's outputs."""
    labels_fit(MODEL)


def golden_answers() -> None:
    """The graph, run with NumPy on padded and unsorted batches, gives the golden probabilities."""
    model = onnx.load(str(MODEL / "model.onnx"))
    entries = [e for e in json.loads(GOLDEN.read_text(encoding="utf-8")) if len(e["ids"]) <= 40]
    worst = 0.0
    for start in range(0, len(entries), 32):
        part = entries[start:start + 32]
        lengths = np.array([len(entry["ids"]) for entry in part], np.int64)
        ids = np.zeros((len(part), lengths.max() + 3), np.int64)
        for row, entry in enumerate(part):
            ids[row, :len(entry["ids"])] = entry["ids"]
        for name, logits in zip(("coarse", "fine"), run_graph(model, {"input_ids": ids, "lengths": lengths})):
            golden = np.array([entry[name] for entry in part])
            worst = max(worst, float(np.abs(softmax(logits, axis=1) - golden).max()))
    assert worst < TOLERANCE, f"probabilities differ by {worst:.1e}"


def same_vocabulary(data: Path) -> None:
    """vocab.txt starts with what follows from the training questions."""
    built = build_vocabulary(question.text for question in read_questions(data / "train.txt")).entries
    assert built == Vocabulary.load(MODEL / "vocab.txt").entries[:len(built)], "vocab.txt differs"


def main() -> int:
    """Runs every check and says what held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with the real train.txt")
    parser.add_argument("--har", type=Path, help="folder with the real har_X_train.npy")
    options = parser.parse_args()
    checks: list[tuple[Callable[..., None], list[Path]]] = [
        (check, []) for check in [golden_tokens, graph, labels, golden_answers, train_twice, *check_activity.CHECKS]]
    checks += [(check, [folder]) for check, folder in
               ((same_vocabulary, options.data), (check_activity.same_scale, options.har)) if folder]
    failed = 0
    for check, given in checks:
        text = (check.__doc__ or "").strip()
        try:
            check(*given)
            print(f"ok      {text}", flush=True)
        except (AssertionError, subprocess.CalledProcessError, OSError, ValueError) as error:
            failed += 1
            print(f"FAILED  {text}\n        {error}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
