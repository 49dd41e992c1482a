"""Checks the training package and the committed model; no arguments are needed.

With --data DIR it also rebuilds the vocabulary from the real questions and compares it.
"""
from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx

from data import read_questions
from export import problems
from golden_texts import TEXTS
from run_graph import run_graph, softmax
from tokenizer import Vocabulary, build_vocabulary, split

HERE = Path(__file__).resolve().parent
MODEL = HERE.parent / "questions" / "1"
GOLDEN = HERE.parents[1] / "tests" / "golden" / "questions" / "golden.json"
LARGEST = 10 * 1024 * 1024
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
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_questions(folder)
        for run in ("a", "b"):
            subprocess.run(
                [sys.executable, str(HERE / "train.py"), "--data", name, "--out", str(folder / run),
                 "--golden", str(folder / run / "golden.json"), "--wordnet", "none", "--seeds", "1",
                 "--teachers", "2", "--made-up", "100", "--epochs", "2"], check=True, stdout=subprocess.DEVNULL)
        for file in ("model.onnx", "vocab.txt", "labels.json", "model.json", "README.md", "golden.json"):
            first, second = ((folder / run / file).read_bytes() for run in ("a", "b"))
            assert first == second, f"two runs with one seed wrote different {file}"
        found = problems(onnx.load(str(folder / "a" / "model.onnx")))
        assert not found, found


def golden_tokens() -> None:
    """Splitting and looking up agree with the golden file."""
    vocabulary = Vocabulary.load(MODEL / "vocab.txt")
    entries = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert [entry["text"] for entry in entries] == TEXTS, "the golden file holds other texts"
    for entry in entries:
        assert split(entry["text"]) == entry["tokens"], entry["text"]
        assert vocabulary.encode(entry["text"]) == entry["ids"], entry["text"]


def committed_graph() -> None:
    """The committed model is valid, small, and free of fixed batch and time sizes."""
    path = MODEL / "model.onnx"
    model = onnx.load(str(path))
    onnx.checker.check_model(model, full_check=True)
    assert path.stat().st_size <= LARGEST, "model.onnx is too large"
    found = problems(model)
    assert not found, found
    words = next(item for item in model.graph.initializer if item.name == "words.weight")
    assert words.dims[0] == len(Vocabulary.load(MODEL / "vocab.txt")), "vocab.txt has another length"


def labels_fit() -> None:
    """labels.json and model.json fit the graph's outputs."""
    levels = [json.loads((MODEL / "labels.json").read_text())["tree"]]
    levels.append([leaf for node in levels[0] for leaf in node["children"]])
    manifest = json.loads((MODEL / "model.json").read_text())
    outputs = {output.name: output for output in onnx.load(str(MODEL / "model.onnx")).graph.output}
    for head, labels in zip(manifest["heads"], levels):
        width = outputs[head["output"]].type.tensor_type.shape.dim[1].dim_value
        assert width == len(labels), f"{head['output']}: {width} outputs, {len(labels)} labels"


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
    data = parser.parse_args().data
    checks = [golden_tokens, committed_graph, labels_fit, golden_answers, train_twice]
    failed = 0
    for check in checks + ([lambda: same_vocabulary(data)] if data else []):
        text = (check.__doc__ or same_vocabulary.__doc__ or "").strip()
        try:
            check()
            print(f"ok      {text}", flush=True)
        except (AssertionError, subprocess.CalledProcessError, OSError, ValueError) as error:
            failed += 1
            print(f"FAILED  {text}\n        {error}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
