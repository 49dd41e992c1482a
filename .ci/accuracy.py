"""accuracy.py URL TEST CARD: asks the server every test question, in requests of several sizes, and compares with the model's card."""
import http.client
import json
import random
import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

TOLERANCE = 0.0005
LARGEST_DIFFERENCE = 1e-5
FIGURES = ("coarse_accuracy", "fine_accuracy", "both_accuracy")
SIZES = {"of 1": 1, "mixed": None, "of 100": 100}

url, test, card = urlsplit(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)


def predict(texts, **options):
    """The answers to texts, asked in one request."""
    connection.request("POST", "/predict", json.dumps({"model": "questions", "version": "1", "inputs": texts, **options}),
                       {"Content-Type": "application/json"})
    response = connection.getresponse()
    body = response.read().decode("utf-8")
    if response.status != 200:
        sys.exit(f"FAILED: POST /predict answered {response.status}: {body[:500]}")
    predictions = json.loads(body)["predictions"]
    if len(predictions) != len(texts):
        sys.exit(f"FAILED: {len(texts)} questions got {len(predictions)} answers")
    return predictions


def in_requests(items, size):
    """Cuts items into lists of size, or of sizes from 1 to 60 for None."""
    sizes = random.Random(1)
    while items:
        n = size or sizes.randint(1, 60)
        yield items[:n]
        items = items[n:]


def measure(questions, options, size):
    """Shares of the questions: coarse right, fine right, both right, inconsistent."""
    answers = [answer for texts in in_requests([text for _, text in questions], size) for answer in predict(texts, **options)]
    counts = [0, 0, 0, 0]
    for (truth, text), answer in zip(questions, answers):
        coarse, fine = (level["label"] for level in answer["levels"])
        right = (coarse == truth.split(":")[0], fine == truth)
        inconsistent = not fine.startswith(coarse + ":")
        if inconsistent != (answer.get("consistent") is False):
            faults.append(f"\"consistent\" is wrong in the answer to {text!r}: {answer}")
        counts = [count + hit for count, hit in zip(counts, (*right, all(right), inconsistent))]
    return [count / len(questions) for count in counts]


def probabilities(answer):
    """Every probability in an answer, by what it belongs to."""
    found = {("level", level["name"], level["label"]): level["probability"] for level in answer["levels"]}
    found.update({("path", *item["path"]): item["probability"] for item in answer["alternatives"]})
    return found


faults = []
questions = [line.split(" ", 1) for line in test.read_text(encoding="latin-1").splitlines()]
front_matter = card.read_text(encoding="utf-8").split("---")[1]
promised = {name: float(value) for name, value in re.findall(r"^ *(\w+): *([\d.]+) *$", front_matter, re.M)}

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
worst = 0.0
for text, answer in zip(texts, predict(texts, top_k=50)):
    together, alone = probabilities(answer), probabilities(predict([text], top_k=50)[0])
    if together.keys() != alone.keys():
        faults.append(f"other labels alone than together for {text!r}")
    worst = max([worst] + [abs(together[key] - alone[key]) for key in together.keys() & alone.keys()])
lengths = [len(text.split()) for text in texts]
print(f"{len(texts)} questions of {min(lengths)} to {max(lengths)} words, each alone and all in one request: largest difference {worst:.1e}")
if worst > LARGEST_DIFFERENCE:
    faults.append(f"probabilities change by {worst:.1e} with what is asked in the same request")

for fault in faults:
    print(f"FAILED: {fault}")
sys.exit(1 if faults else 0)
