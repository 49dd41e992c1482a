"""Trains the question classifier and writes everything that is shipped with it.

    python3 models/training/train.py --data DIR --out models/questions/1

For each seed some teachers learn the labelled questions; a student of the same size learns those
questions and many made-up ones that the teachers labelled together. The student of the first seed
is exported; the card quotes all seeds. Nothing is chosen by looking at the test questions.
"""
from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable, Sequence

from optimise import reproducible

import torch
from torch import Tensor

from card import write_card
from data import Question, fold_of, question_tree, read_questions
from evaluate import DECODINGS, leaves, logits, measure
from export import export_questions, folded
from fit import Recipe, fit
from golden import write_golden
from labels import LabelTree
from model import QuestionNet, WordTable
from progress import progress, say, show
from synthesis import cross_over
from tokenizer import Vocabulary, build_vocabulary, split
from wordnet import WordNet

DECODING = "best_path"
TEACHER = Recipe()
STUDENT = Recipe(epochs=8)
DEFAULT_GOLDEN = Path(__file__).resolve().parents[2] / "tests" / "golden" / "questions" / "golden.json"


@dataclass(frozen=True)
class Plan:
    """How many networks are trained on how much."""
    teachers: int
    made_up: int
    extra: int
    teacher: Recipe
    student: Recipe


@dataclass
class Corpus:
    """Questions as ids. rows, buckets: word ids; target [rows, fine]; counts [words]."""
    vocabulary: Vocabulary
    tree: LabelTree
    rows: list[list[int]]
    buckets: list[list[int]]
    target: Tensor
    counts: Tensor
    classes: Callable[[str], list[str]]

    @classmethod
    def of(cls, questions: Sequence[Question], tree: LabelTree, wordnet: WordNet | None, extra: int) -> "Corpus":
        """Collects the vocabulary, with `extra` of WordNet's nouns, and looks every word up."""
        vocabulary = build_vocabulary((q.text for q in questions), wordnet.common(extra) if wordnet else ())
        words = [split(question.text) for question in questions]
        rows = [[vocabulary.lookup(word) for word in row] for row in words]
        buckets = [[vocabulary.bucket(word) for word in row] for row in words]
        target = torch.nn.functional.one_hot(gold_of(questions, tree), len(tree.fine)).float()
        counts = torch.bincount(torch.tensor([i for row in rows for i in row]), minlength=len(vocabulary))
        for row in buckets:  # training draws these in place of words
            counts[row] = counts[row].clamp(min=1)
        return cls(vocabulary, tree, rows, buckets, target, counts,
                   wordnet.classes if wordnet else lambda word: [])

    def fit(self, recipe: Recipe, seed: int, name: str) -> QuestionNet:
        """Trains one network on these questions."""
        def words(recipe: Recipe) -> WordTable:
            return WordTable(self.vocabulary, self.counts, self.classes, recipe.embedding, recipe.unseen)
        return fit(self.rows, self.buckets, self.target, self.counts, words, self.tree,
                   recipe, seed, progress(name, recipe.epochs))

    def with_made_up(self, teachers: Sequence[QuestionNet], amount: int, seed: int) -> "Corpus":
        """Adds crossed-over questions, labelled with the mean of the teachers' leaf probabilities."""
        made = cross_over(self.rows, amount, seed)
        rows = [[self.rows[r][i] for r, i in taken] for taken in made]
        buckets = [[self.buckets[r][i] for r, i in taken] for taken in made]
        answers = [leaves(*logits(teacher, rows), self.tree) for teacher in teachers]
        return replace(self, rows=self.rows + rows, buckets=self.buckets + buckets,
                       target=torch.cat([self.target, torch.stack(answers).mean(dim=0)]))


def gold_of(questions: Sequence[Question], tree: LabelTree) -> Tensor:
    """Fine label of each question: [questions]."""
    index = {label: position for position, label in enumerate(tree.fine)}
    return torch.tensor([index[question.label] for question in questions])


def train_one(corpus: Corpus, plan: Plan, seed: int) -> QuestionNet:
    """Teachers, then their student; without teachers, one network on the labelled questions alone."""
    teachers = [corpus.fit(plan.teacher, 1000 * seed + i, f"seed {seed}, teacher {i}")
                for i in range(1, plan.teachers + 1)]
    if teachers:
        corpus = corpus.with_made_up(teachers, plan.made_up, seed)
    return corpus.fit(plan.student, seed, f"seed {seed}, student")


def results(net: QuestionNet, questions: Sequence[Question], vocabulary: Vocabulary,
            tree: LabelTree) -> dict[str, dict[str, float]]:
    """Measures on questions, by decoding."""
    coarse, fine = logits(net, [vocabulary.encode(question.text) for question in questions])
    gold = gold_of(questions, tree)
    return {how: measure(coarse, fine, gold, tree, how) for how in DECODINGS}


def validate(questions: Sequence[Question], tree: LabelTree, plan: Plan, wordnet: WordNet | None,
             seed: int, folds: Sequence[int]) -> None:
    """Cross-validates in five folds of the training questions, without touching the test questions."""
    where = fold_of(questions, 5, seed=7)
    coarse, fine, gold = [], [], []
    for fold in folds:
        train = [q for q, f in zip(questions, where) if f != fold]
        held = [q for q, f in zip(questions, where) if f == fold]
        corpus = Corpus.of(train, tree, wordnet, plan.extra)
        net = train_one(corpus, plan, seed)
        first, second = logits(net, [corpus.vocabulary.encode(q.text) for q in held])
        coarse.append(first)
        fine.append(second)
        gold.append(gold_of(held, tree))
    show("validation", {how: measure(torch.cat(coarse), torch.cat(fine), torch.cat(gold), tree, how)
                        for how in DECODINGS})


def write_model(net: QuestionNet, vocabulary: Vocabulary, tree: LabelTree, out: Path, golden: Path) -> QuestionNet:
    """Writes the graph, its labels, words and manifest, and the golden file; returns the served network."""
    out.mkdir(parents=True, exist_ok=True)
    served = folded(net)
    export_questions(served, out / "model.onnx")
    vocabulary.save(out / "vocab.txt")
    manifest = {
        "description": f"Says what an English question asks for: {len(tree.coarse)} coarse and "
                       f"{len(tree.fine)} fine kinds of answer",
        "input": "input_ids", "lengths": "lengths",
        "heads": [{"output": "coarse", "level": "coarse"}, {"output": "fine", "level": "fine"}],
        "tokenizer": {"kind": "words"}, "decoding": DECODING, "max_length": 512}
    for name, content in (("model.json", manifest), ("labels.json", tree.to_json())):
        (out / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    say(f"{write_golden(served, vocabulary, golden)} golden texts")
    return served


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with train.txt and test.txt")
    parser.add_argument("--out", type=Path, required=True, help="folder of the model version to write")
    parser.add_argument("--golden", type=Path, default=DEFAULT_GOLDEN, help="golden file to write")
    parser.add_argument("--wordnet", type=Path, default=Path("/usr/share/wordnet"),
                        help="folder with WordNet's data.noun, index.noun, noun.exc and cntlist.rev; none: do without")
    parser.add_argument("--extra-words", type=int, default=8000, help="how many of WordNet's nouns to add")
    parser.add_argument("--seeds", type=int, default=3, help="networks to train; the first is shipped")
    parser.add_argument("--teachers", type=int, default=4, help="teachers of each network; 0: none")
    parser.add_argument("--made-up", type=int, default=16000, help="questions the teachers label")
    parser.add_argument("--epochs", type=int, help="other number of epochs for every network")
    parser.add_argument("--validate", action="store_true", help="cross-validate instead, writing nothing")
    parser.add_argument("--folds", type=int, nargs="*", default=list(range(5)), help="folds for --validate")
    return parser.parse_args()


def main() -> None:
    """Runs the whole thing."""
    options = arguments()
    reproducible()
    started = time.monotonic()
    questions = read_questions(options.data / "train.txt")
    tree = question_tree(question.label for question in questions)
    plan = Plan(options.teachers, options.made_up, options.extra_words, TEACHER, STUDENT)
    wordnet = WordNet(options.wordnet) if options.wordnet.name != "none" else None
    if options.epochs:
        plan = replace(plan, teacher=replace(plan.teacher, epochs=options.epochs),
                       student=replace(plan.student, epochs=options.epochs))
    if options.validate:
        for seed in range(1, options.seeds + 1):
            validate(questions, tree, plan, wordnet, seed, options.folds)
        return

    corpus = Corpus.of(questions, tree, wordnet, plan.extra)
    say(f"{len(questions)} questions, {len(corpus.vocabulary)} entries, {len(tree.fine)} fine labels")
    test = read_questions(options.data / "test.txt")
    runs = []
    for seed in range(1, options.seeds + 1):
        net = train_one(corpus, plan, seed)
        runs.append(results(net, test, corpus.vocabulary, tree))
        show(f"test, seed {seed}", runs[-1])
        if seed == 1:
            write_model(net, corpus.vocabulary, tree, options.out, options.golden)
    write_card(options.out / "README.md", runs, DECODING, options.teachers, options.made_up)
    say(f"done in {(time.monotonic() - started) / 60:.0f} minutes")


if __name__ == "__main__":
    main()
