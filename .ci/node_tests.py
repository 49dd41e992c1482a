"""node_tests.py URL NODES MODELS CASES: sends the inputs of ONNX's node tests under NODES, for each model in the folder MODELS, over /v2, as JSON and as
binary data, and compares with the outputs that belong to them. Writes the counts of tests to CASES."""
import http.client
import json
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import onnx
from onnx import numpy_helper

RTOL, ATOL = 1e-3, 1e-5
DATATYPES = {"bool": "BOOL", "float16": "FP16", "float32": "FP32", "float64": "FP64", "object": "BYTES",
             **{f"{u}int{bits}": f"{u.upper()}INT{bits}" for u in ("", "u") for bits in (8, 16, 32, 64)}}
# what ONNX Runtime says of graphs that its CPU provider does not run
REFUSED = {"ONNX Runtime's CPU provider does not support": "ONNX Runtime's CPU provider refuses the batchwise layout"}

url, nodes, models, cases = urlsplit(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4])
connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)


def ask(method, path, body=None, headers=None):
    """(status, headers, body) of one request."""
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    return response.status, response.headers, response.read()


def loaded(model):
    """Waits until the model has loaded or failed; its state and the reason."""
    for _ in range(600):
        _, _, body = ask("POST", "/v2/repository/index", "{}")
        entry = next(m for m in json.loads(body) if m["name"] == model)
        if entry["state"] != "LOADING":
            break
        time.sleep(0.1)
    return entry["state"], entry["reason"]


def tensors(folder, kind, infos):
    """The tensors of a test by name."""
    result = {}
    for i, info in enumerate(infos):
        tensor = onnx.TensorProto()
        tensor.ParseFromString((folder / f"{kind}_{i}.pb").read_bytes())
        result[info.name] = numpy_helper.to_array(tensor)
    return result


def describe(name, value):
    return {"name": name, "shape": list(value.shape), "datatype": DATATYPES[value.dtype.name]}


def infer_json(model, inputs):
    body = json.dumps({"inputs": [{**describe(n, v), "data": v.tolist() if v.ndim else [v.item()]} for n, v in inputs.items()]})
    status, _, body = ask("POST", f"/v2/models/{model}/infer", body, {"Content-Type": "application/json"})
    if status != 200:
        raise ValueError(f"{status} {body.decode()}")
    types = {v: k for k, v in DATATYPES.items()}
    return {o["name"]: np.array(o["data"], types[o["datatype"]]).reshape(o["shape"]) for o in json.loads(body)["outputs"]}


def infer_binary(model, inputs):
    raw = [v.tobytes() for v in inputs.values()]
    head = json.dumps({"inputs": [{**describe(n, v), "parameters": {"binary_data_size": len(r)}} for (n, v), r in zip(inputs.items(), raw)],
                       "parameters": {"binary_data_output": True}}).encode()
    status, headers, body = ask("POST", f"/v2/models/{model}/infer", head + b"".join(raw), {"Inference-Header-Content-Length": str(len(head))})
    if status != 200:
        raise ValueError(f"{status} {body.decode()}")
    at = int(headers["Inference-Header-Content-Length"])
    types, result = {v: k for k, v in DATATYPES.items()}, {}
    for output in json.loads(body[:at])["outputs"]:
        size = output["parameters"]["binary_data_size"]
        result[output["name"]] = np.frombuffer(body[at:at + size], types[output["datatype"]]).reshape(output["shape"])
        at += size
    return result


def check(model):
    """Raises ValueError when an answer is not the expected one; the largest difference."""
    graph = onnx.load(str(nodes / model / "model.onnx")).graph
    largest = 0.0
    for folder in sorted((nodes / model).glob("test_data_set_*")):
        inputs, expected = tensors(folder, "input", graph.input), tensors(folder, "output", graph.output)
        for form, infer in (("JSON", infer_json), ("binary", infer_binary)):
            got = infer(model, inputs)
            for name, value in expected.items():
                if got[name].shape != value.shape or got[name].dtype != value.dtype:
                    raise ValueError(f"{form}: {name} is {got[name].dtype} {got[name].shape} instead of {value.dtype} {value.shape}")
                if not np.allclose(got[name], value, RTOL, ATOL):
                    raise ValueError(f"{form}: {name} differs by up to {np.abs(got[name] - value).max()}")
                largest = max(largest, float(np.abs(got[name] - value).max(initial=0)))
    return largest


passed = failed = skipped = 0
for model in sorted(f.name for f in models.iterdir()):
    state, reason = loaded(model)
    excuse = next((text for words, text in REFUSED.items() if words in reason), None)
    try:
        if excuse:
            skipped += 1
            print(f"refused: {model}: {excuse}")
            continue
        if state != "READY":
            raise ValueError(f"{state}: {reason}")
        print(f"ok: {model}: largest difference {check(model):.1e}")
        passed += 1
    except ValueError as error:
        failed += 1
        print(f"FAILED: {model}: {error}")
print(f"{passed} passed, {failed} failed, {skipped} refused by ONNX Runtime; rtol {RTOL}, atol {ATOL}")
cases.write_text(f"{passed} {failed} {skipped}\n")
if failed or not passed:
    sys.exit(1)
