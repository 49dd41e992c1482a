"""Writes the model card."""
from __future__ import annotations

from pathlib import Path
from statistics import mean, stdev
from typing import Sequence

Run = dict[str, dict[str, float]]

CARD = """---
license: mit
language: en
pipeline_tag: text-classification
metrics:
  coarse_accuracy: {coarse:.3f}
  fine_accuracy: {fine:.3f}
  both_accuracy: {both:.3f}
---
# questions

Says what an English question asks for: one of 6 coarse kinds of answer (abbreviation, description,
entity, human, location, number) and one of 50 fine ones below them. A bidirectional GRU with
attention and max pooling reads the words; two heads give a distribution over the coarse kinds and,
within each, over its fine kinds. It was trained from scratch, without pretrained vectors; WordNet told
it what nouns are kinds of.

## Results

500 test questions of TREC-10, read once the configuration was final. Percent, mean and standard
deviation of {seeds} seeds:

| decoding | coarse | fine | both right | contradicts itself |
| --- | --- | --- | --- | --- |
{table}

`best_path` takes the leaf with the highest p(coarse) p(fine \\| coarse), `top_down` the best coarse
kind and then the best leaf below it, `independent` the best of each head. The file here is seed 1,
chosen before any test result was seen. As served (`{decoding}`) it gets **{coarse100:.1f}** % of the
coarse kinds right, **{fine100:.1f}** % of the fine ones and {both100:.1f} % of both. One standard
error of such a figure is about 1.2 points for coarse and 1.6 for fine.

## Data

"Experimental Data for Question Classification" by Xin Li and Dan Roth, University of Illinois
(`train_5500.label`, 5,452 questions, and `TREC_10.label`, 500), at
<https://cogcomp.seas.upenn.edu/Data/QA/QC/>. 11 of the test questions are in the training file too.
Classes of nouns: WordNet 3.0, Copyright 2006 by Princeton University, under the licence in
`WORDNET-LICENSE.txt` beside this file, which covers what `vocab.txt` and the weights owe to it.

## Training

{training}

    python3 models/training/train.py --data DIR --out models/questions/1

In training a word is the sum of its own vector, of its character n-grams and of its WordNet classes
(`sparrow` is a kind of bird, vertebrate, animal ...). All three depend on the word alone, so they
are folded into one table: to serve, the graph looks up a row per word and a hashed row per pair of
neighbours. The vocabulary holds the words of the training questions and common nouns of WordNet.
Other words fall into a bucket by their shape and ending.

## Limits

- English questions, mostly of one sentence; anything else still gets an answer. Look at the probabilities.
- The questions are from around 2000, and so are the people and things in them.
- Fine kinds differ in size: the smallest have fewer than 10 training examples.
- Words are read without their case, and typographic quotes stick to their words.
"""

DISTILLED = """For each seed {teachers} teachers of the same shape learn the labelled questions. The student learns
those and {made_up:,} made-up ones, spliced from pairs of training questions and labelled with the
teachers' mean probabilities. Everything was chosen on held-out fifths of the training file."""
PLAIN = "The network learns the labelled questions. Everything was chosen on held-out fifths of the training file."


def cell(values: Sequence[float]) -> str:
    """Mean and spread in percent."""
    spread = stdev(values) if len(values) > 1 else 0.0
    return f"{100 * mean(values):.1f} ± {100 * spread:.1f}"


def write_card(path: Path, runs: Sequence[Run], decoding: str, teachers: int, made_up: int) -> None:
    """Writes the card of the first run, with the table over all of them."""
    rows = [f"| {'**' + how + '**' if how == decoding else how} | "
            + " | ".join(cell([run[how][key] for run in runs])
                         for key in ("coarse", "fine", "both", "inconsistent")) + " |"
            for how in runs[0]]
    own = runs[0][decoding]
    training = DISTILLED.format(teachers=teachers, made_up=made_up) if teachers else PLAIN
    path.write_text(CARD.format(
        coarse=own["coarse"], fine=own["fine"], both=own["both"], seeds=len(runs), table="\n".join(rows),
        decoding=decoding, coarse100=100 * own["coarse"], fine100=100 * own["fine"],
        both100=100 * own["both"], training=training), encoding="utf-8")
