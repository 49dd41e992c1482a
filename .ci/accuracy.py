"""accuracy.py URL TEST CARD: asks the server every test question, in requests of several sizes, and compares with the model's card."""
import sys
from pathlib import Path

from asking import LARGEST_DIFFERENCE, Server, end, in_requests, promises

TOLERANCE = 0.0005
FIGURES = ("coarse_accuracy", "fine_accuracy", "both_accuracy")
SIZES = {"of 1": 1, "mixed": None, "of 100": 100}

test, card = Path(sys.argv[2]), Path(sys.argv[3])
server = Server(sys.argv[1], "questions")


def measure(questions, options, size):
    """Shares of the questions: coarse right, fine right, both right, inconsistent."""
    answers = [answer for texts in in_requests([text for _, text in questions], size) for answer in server.predict(texts, **options)]
    counts = [0, 0, 0, 0]
    for (truth, text), answer in zip(questions, answers):
        coarse, fine = (level["label"] for level in answer["levels"])
        right = (coarse == truth.split(":")[0], fine == truth)
        inconsistent = not fine.startswith(coarse + ":")
        if inconsistent != (answer.get("consistent") is False):
            faults.append(f"\"consistent\" is wrong in the answer to {text!r}: {answer}")
        counts = [count + hit for count, hit in zip(counts, (*right, all(right), inconsistent))]
    return [count / len(questions) for count in counts]


faults = []
questions = [line.split(" ", 1) for line in test.read_text(encoding="latin-1").splitlines()]
promised = promises(card)

print(f"percent of the {len(questions)} questions in {test.name}")
print(f"{'decoding':<12} {'requests':<9} {'coarse':>7} {'fine':>7} {'both':>7} {'inconsistent':>13}")
for decoding in (None, "best_path", "top_down", "independent"):
    name = decoding or "(default)"
    results = set()
    for requests, size in SIZES.items():
        result = measure(questions, {"decoding": decoding} if decoding else {}, size)
        results.add(tuple(result))
        coarse, fine, both, inconsistent = (100 * share for share in result)
        print(f"{name:<12} {requests:<9} {coarse:>7.1f} {fine:>7.1f} {both:>7.1f} {inconsistent:>13.1f}")
        if decoding is None:
            faults += [f"{figure} is {share:.4f} in requests {requests}, its card says {promised[figure]}"
                       for figure, share in zip(FIGURES, result) if share < promised[figure] - TOLERANCE]
        if decoding != "independent" and inconsistent > 0:
            faults.append(f"{name} gives inconsistent paths in requests {requests}")
    if len(results) > 1:
        faults.append(f"{name} depends on the size of the requests")

texts = [text for _, text in questions[:200]]
worst = server.largest_change(texts, leaves=50)
lengths = [len(text.split()) for text in texts]
change = "other labels" if worst is None else f"{worst:.1e}"
print(f"{len(texts)} questions of {min(lengths)} to {max(lengths)} words, each alone and all in one request: largest difference {change}")
if worst is None or worst > LARGEST_DIFFERENCE:
    faults.append(f"answers change with what is asked in the same request: {change}")

end(faults)
