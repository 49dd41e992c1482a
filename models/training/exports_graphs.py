"""Graphs built node by node as exporters other than PyTorch's first one write them: tf2onnx, PyTorch's second exporter, skl2onnx.

Each function takes the PyTorch module that has the weights and answers the same.
"""
from __future__ import annotations

from typing import Any, Iterable

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from exports_modules import CHANNELS, Categories, Classifier

FLOAT, INT32, INT64, STRING = TensorProto.FLOAT, TensorProto.INT32, TensorProto.INT64, TensorProto.STRING
# The newest that ONNX Runtime 1.29 reads. The operators used here are in opset 26 as they were in opset 22.
NEWEST_OPSET, NEWEST_IR = 26, 13
ML = "ai.onnx.ml"


class Graph:
    """A graph in the making. Values are named by their producers."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def node(self, operator: str, inputs: Iterable[str], outputs: Any, domain: str = "", **attributes: Any) -> Any:
        """Adds a node; returns its outputs."""
        names = [outputs] if isinstance(outputs, str) else list(outputs)
        self.nodes.append(helper.make_node(operator, list(inputs), names, name=names[-1].split(":")[0], domain=domain, **attributes))
        return outputs

    def weight(self, name: str, values: Any, dtype: Any = np.float32) -> str:
        """Adds an initializer; returns its name."""
        array = values.detach().numpy() if hasattr(values, "detach") else np.asarray(values)
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array.astype(dtype)), name))
        return name

    def model(self, name: str, inputs: list, outputs: list, opsets: dict[str, int], ir: int, producer: str,
              functions: Iterable = ()) -> onnx.ModelProto:
        """The finished model; inputs and outputs are (name, element type, dimensions)."""
        graph = helper.make_graph(self.nodes, name, [helper.make_tensor_value_info(*i) for i in inputs],
                                  [helper.make_tensor_value_info(*o) for o in outputs], self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid(d, v) for d, v in opsets.items()], ir_version=ir,
                                 producer_name=producer, functions=list(functions))


def recurrent_weights(rnn: nn.Module, layer: int = 0) -> list[np.ndarray]:
    """W, R and B of the ONNX operator: gates in its order, directions stacked."""
    order = {nn.LSTM: [0, 3, 1, 2], nn.GRU: [1, 0, 2], nn.RNN: [0]}[type(rnn)]
    stacks: list[list[np.ndarray]] = [[], [], []]
    for suffix in ("", "_reverse") if rnn.bidirectional else ("",):
        parts = []
        for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            gates = np.split(getattr(rnn, f"{kind}_l{layer}{suffix}").detach().numpy(), len(order))
            parts.append(np.concatenate([gates[gate] for gate in order]))
        for stack, part in zip(stacks, (parts[0], parts[1], np.concatenate(parts[2:]))):
            stack.append(part)
    return [np.stack(stack) for stack in stacks]


def head_of(model: Classifier, index: int = 0) -> nn.Linear:
    return model.heads[f"head_{index}"]


# tf2onnx ------------------------------------------------------------------------------------------------------------------------

def dense(graph: Graph, name: str, linear: nn.Linear, value: str, activation: str, output: str) -> None:
    """A Keras layer Dense."""
    kernel = graph.weight(f"{name}/MatMul/ReadVariableOp:0", linear.weight.T)
    bias = graph.weight(f"{name}/BiasAdd/ReadVariableOp:0", linear.bias)
    product = graph.node("MatMul", [value, kernel], f"{name}/MatMul:0")
    scores = graph.node("Add", [product, bias], f"{name}/BiasAdd:0")
    graph.node(activation, [scores], output, **({"axis": 1} if activation == "Softmax" else {}))


def keras_weights(graph: Graph, rnn: nn.Module) -> list[str]:
    return [graph.weight(name, array) for name, array in zip(("W__33", "R__34", "B__35"), recurrent_weights(rnn))]


def zero_state(graph: Graph, value: str, hidden: int) -> str:
    """Zeros [1, batch, hidden] as tf2onnx makes them from the input's shape."""
    shape = graph.node("Cast", [graph.node("Shape", [value], "sequential/lstm/Shape:0")], "sequential/lstm/Shape__40:0", to=INT64)
    bounds = [graph.weight(f"const_{name}__41", [number], np.int64) for name, number in (("starts", 0), ("ends", 1), ("axes", 0))]
    rows = graph.node("Slice", [shape, *bounds], "sequential/lstm/strided_slice:0")
    one, width = (graph.weight(f"const_{number}__44", [number], np.int64) for number in (1, hidden))
    size = graph.node("Concat", [one, rows, width], "sequential/lstm/zeros/packed__46:0", axis=0)
    return graph.node("Expand", [graph.weight("const_zero__47", np.zeros((1, 1, 1))), size], "sequential/lstm/zeros:0")


def keras_lstm(model: Classifier, time: int, direction: str = "forward") -> onnx.ModelProto:
    """LSTM and Dense with softmax, over `time` steps or (0) any number; further outputs are states [batch, hidden] (return_state=True)."""
    graph = Graph()
    zeros = zero_state(graph, "args_0", model.design.hidden)
    steps = graph.node("Transpose", ["args_0"], "sequential/lstm/transpose:0", perm=[1, 0, 2])
    _, last, cell = graph.node("LSTM", [steps, *keras_weights(graph, model.rnn), "", zeros, zeros],
                            ("sequential/lstm/LSTM__42:0", "sequential/lstm/LSTM__42:1", "sequential/lstm/LSTM__42:2"),
                            direction=direction, hidden_size=model.design.hidden)
    pooled = graph.node("Squeeze", [last, graph.weight("const_axes__53", [0], np.int64)], "sequential/lstm/PartitionedCall:0")
    output, *states = model.design.outputs
    dense(graph, "sequential/dense", head_of(model), pooled, "Softmax", output.name)
    for state in states:
        graph.node("Squeeze", [last if state.form == "h_n" else cell, "const_axes__53"], state.name)
    outputs = [(o.name, FLOAT, ["unk__3", o.width or model.design.hidden]) for o in model.design.outputs]
    return graph.model("tf2onnx", [("args_0", FLOAT, ["unk__1", time or "unk__2", CHANNELS])], outputs, {"": 13}, 7, "tf2onnx")


def keras_bidirectional_gru(model: Classifier) -> onnx.ModelProto:
    """Embedding of ids that come as float32, Bidirectional(GRU) and Dense with a sigmoid of width 1."""
    graph = Graph()
    ids = graph.node("Cast", ["embedding_input"], "sequential_1/embedding/Cast:0", to=INT32)
    table = graph.weight("sequential_1/embedding/embedding_lookup/Read:0", model.embedding.weight)
    vectors = graph.node("Gather", [table, ids], "sequential_1/embedding/embedding_lookup:0")
    steps = graph.node("Transpose", [vectors], "sequential_1/bidirectional/transpose:0", perm=[1, 0, 2])
    _, last = graph.node("GRU", [steps, *keras_weights(graph, model.rnn)], ("Bidirectional_GRU__61:0", "Bidirectional_GRU__61:1"),
                         direction="bidirectional", hidden_size=model.design.hidden, linear_before_reset=1)
    halves = graph.node("Split", [last], ("split__62:0", "split__62:1"), axis=0, split=[1, 1])
    squeezed = [graph.node("Squeeze", [half], f"squeeze__{63 + i}:0", axes=[0]) for i, half in enumerate(halves)]
    pooled = graph.node("Concat", squeezed, "sequential_1/bidirectional/concat:0", axis=1)
    output = model.design.outputs[0]
    dense(graph, "sequential_1/dense_1", head_of(model), pooled, "Sigmoid", output.name)
    inputs = [("embedding_input", FLOAT, ["unk__65", "unk__66"])]
    return graph.model("tf2onnx", inputs, [(output.name, FLOAT, ["unk__67", 1])], {"": 9}, 4, "tf2onnx")


def keras_masked_embedding(model: Classifier) -> onnx.ModelProto:
    """Embedding(mask_zero=True) and LSTM: the lengths are the numbers of ids that are not 0."""
    graph = Graph()
    ids = "input_1"
    is_padding = graph.node("Equal", [ids, graph.weight("const_padding__10", 0, np.int32)], "model/embedding/Equal:0")
    mask = graph.node("Cast", [graph.node("Not", [is_padding], "model/embedding/NotEqual:0")], "model/lstm/Cast__12:0", to=INT32)
    lengths = graph.node("ReduceSum", [mask], "model/lstm/ReduceSum__13:0", axes=[1], keepdims=0)
    table = graph.weight("model/embedding/embedding_lookup/Read:0", model.embedding.weight)
    vectors = graph.node("Gather", [table, ids], "model/embedding/embedding_lookup:0")
    steps = graph.node("Transpose", [vectors], "model/lstm/transpose:0", perm=[1, 0, 2])
    _, last = graph.node("LSTM", [steps, *keras_weights(graph, model.rnn), lengths], ("model/lstm/LSTM__20:0", "model/lstm/LSTM__20:1"),
                         hidden_size=model.design.hidden)
    pooled = graph.node("Squeeze", [last], "model/lstm/Squeeze__21:0", axes=[0])
    output = model.design.outputs[0]
    dense(graph, "model/dense", head_of(model), pooled, "Softmax", output.name)
    return graph.model("tf2onnx", [(ids, INT32, ["unk__22", "unk__23"])], [(output.name, FLOAT, ["unk__24", output.width])], {"": 11}, 6, "tf2onnx")


# a graph written by hand --------------------------------------------------------------------------------------------------------

def reverse_rnn(model: Classifier) -> onnx.ModelProto:
    """Features straight into a backward RNN, whose sequence_lens is an input of the graph."""
    graph = Graph()
    names = [graph.weight(name, array) for name, array in zip(("W", "R", "B"), recurrent_weights(model.rnn))]
    graph.node("RNN", ["X", *names, "sequence_lens"], ("", "Y_h"), direction="reverse", hidden_size=model.design.hidden, activations=["Tanh"])
    pooled = graph.node("Squeeze", ["Y_h", graph.weight("directions", [0], np.int64)], "state")
    output = model.design.outputs[0]
    scores = graph.node("Gemm", [pooled, graph.weight("C", head_of(model).weight), graph.weight("b", head_of(model).bias)], "scores", transB=1)
    graph.node("LogSoftmax", [scores], output.name, axis=-1)
    inputs = [("X", FLOAT, ["T", "N", CHANNELS]), ("sequence_lens", INT32, ["N"])]
    return graph.model("reverse", inputs, [(output.name, FLOAT, ["N", output.width])], {"": 14}, 7, "")


# PyTorch's second exporter ------------------------------------------------------------------------------------------------------

TORCH, TORCHLIB = "pkg.torch.2.3.0", "pkg.onnxscript.torch_lib"


def linear_functions(opset: int) -> list[onnx.FunctionProto]:
    """nn.Linear as a local function that calls another."""
    plain = [helper.make_opsetid("", opset)]
    addmm = helper.make_function(TORCHLIB, "aten_addmm", ["self", "mat1", "mat2"], ["return_val"], [
        helper.make_node("MatMul", ["mat1", "mat2"], ["product"]), helper.make_node("Add", ["product", "self"], ["return_val"])], plain)
    linear = helper.make_function(TORCH, "torch_nn_modules_linear_Linear_head_1", ["input", "weight", "bias"], ["addmm"], [
        helper.make_node("Transpose", ["weight"], ["t"], perm=[1, 0]),
        helper.make_node("aten_addmm", ["bias", "input", "t"], ["addmm"], domain=TORCHLIB)], plain + [helper.make_opsetid(TORCHLIB, 1)])
    return [linear, addmm]


def dynamo_state(graph: Graph, value: str, model: Classifier) -> str:
    """Zeros [directions, batch, hidden] from the shape of a batch-first value."""
    rows = graph.node("Shape", [value], "sym_size_int_3", start=0, end=1)
    directions, hidden = (graph.weight(f"val_{i}", [number], np.int64) for i, number in enumerate((model.design.directions, model.design.hidden)))
    size = graph.node("Concat", [directions, rows, hidden], "val_2", axis=0)
    return graph.node("Expand", [graph.weight("val_3", 0.0), size], "zeros")


def call_linear(graph: Graph, model: Classifier, index: int, pooled: str) -> None:
    output = model.design.outputs[index]
    names = [graph.weight(f"{output.name}_head.{name}", value) for name, value in head_of(model, index).named_parameters()]
    graph.node("torch_nn_modules_linear_Linear_head_1", [pooled, *names], output.name, domain=TORCH)


def dynamo_lstm(model: Classifier) -> onnx.ModelProto:
    """Symbolic dimensions, and a Linear that is a function of the model."""
    graph = Graph()
    vectors = graph.node("Gather", [graph.weight("embedding.weight", model.embedding.weight), "input_ids"], "embedding")
    zeros = dynamo_state(graph, "input_ids", model)
    steps = graph.node("Transpose", [vectors], "val_4", perm=[1, 0, 2])
    names = [graph.weight(name, array) for name, array in zip(("val_5", "val_6", "val_7"), recurrent_weights(model.rnn))]
    graph.node("LSTM", [steps, *names, "", zeros, zeros], ("val_8", "val_9", "val_10"), direction="bidirectional", hidden_size=model.design.hidden)
    by_row = graph.node("Transpose", ["val_8"], "val_11", perm=[2, 0, 1, 3])
    states = graph.node("Reshape", [by_row, graph.weight("val_12", [0, 0, -1], np.int64)], "lstm")
    pooled = graph.node("ReduceMean", [states, graph.weight("val_13", [1], np.int64)], "mean", keepdims=0)
    call_linear(graph, model, 0, pooled)
    output = model.design.outputs[0]
    return graph.model("main_graph", [("input_ids", INT64, ["s0", "s1"])], [(output.name, FLOAT, ["s0", output.width])],
                       {"": 18, TORCH: 1, TORCHLIB: 1}, 10, "pytorch", linear_functions(18))


def dynamo_gru_function(model: Classifier) -> onnx.ModelProto:
    """The recurrent node itself is inside a function, two heads, and the newest opset."""
    inner = [helper.make_node("Transpose", ["input"], ["by_time"], perm=[1, 0, 2]),
             helper.make_node("Cast", ["lengths"], ["lengths_int32"], to=INT32),
             helper.make_node("GRU", ["by_time", "w", "r", "b", "lengths_int32", "h0"], ["", "h_n"], direction="bidirectional",
                              hidden_size=model.design.hidden, linear_before_reset=1)]
    gru = helper.make_function(TORCH, "torch_nn_modules_rnn_GRU_gru_1", ["input", "w", "r", "b", "lengths", "h0"], ["h_n"], inner,
                               [helper.make_opsetid("", NEWEST_OPSET)])
    graph = Graph()
    vectors = graph.node("Gather", [graph.weight("embedding.weight", model.embedding.weight), "ids"], "embedding")
    zeros = dynamo_state(graph, "ids", model)
    names = [graph.weight(name, array) for name, array in zip(("val_5", "val_6", "val_7"), recurrent_weights(model.rnn))]
    last = graph.node("torch_nn_modules_rnn_GRU_gru_1", [vectors, *names, "lengths", zeros], "gru", domain=TORCH)
    by_row = graph.node("Transpose", [last], "permute", perm=[1, 0, 2])
    pooled = graph.node("Reshape", [by_row, graph.weight("val_12", [0, -1], np.int64)], "view")
    for index in range(2):
        call_linear(graph, model, index, pooled)
    outputs = [(o.name, FLOAT, ["batch", o.width]) for o in model.design.outputs]
    return graph.model("main_graph", [("ids", INT64, ["batch", "time"]), ("lengths", INT64, ["batch"])], outputs,
                       {"": NEWEST_OPSET, TORCH: 1, TORCHLIB: 1}, NEWEST_IR, "pytorch", [*linear_functions(NEWEST_OPSET), gru])


# skl2onnx -----------------------------------------------------------------------------------------------------------------------

def encode(graph: Graph, text: str, encoded: str) -> str:
    """Words to their numbers."""
    known = Categories.WORDS[:-1]
    return graph.node("LabelEncoder", [text], encoded, domain=ML, keys_strings=list(known), values_int64s=list(range(len(known))),
                      default_int64=len(known))


def sklearn_linear(model: Categories) -> onnx.ModelProto:
    """OrdinalEncoder, OneHotEncoder and LogisticRegression, without ZipMap."""
    graph = Graph()
    ordinals = encode(graph, "word", "encoded")
    count = len(model.WORDS)
    hot = graph.node("OneHotEncoder", [ordinals], "hot", domain=ML, cats_int64s=list(range(count)), zeros=1)
    flat = graph.node("Reshape", [hot, graph.weight("shape_tensor", [-1, count], np.int64)], "variable")
    width = model.design.outputs[1].width
    coefficients = model.embedding.weight.detach().numpy().T.ravel().tolist()
    graph.node("LinearClassifier", [flat], ("label", "probability_tensor"), domain=ML, classlabels_ints=list(range(width)),
               coefficients=coefficients, intercepts=[0.0] * width, multi_class=1, post_transform="SOFTMAX")
    graph.node("Normalizer", ["probability_tensor"], "probabilities", domain=ML, norm="L1")
    return graph.model("logistic regression", [("word", STRING, [None, 1])], [("label", INT64, [None]), ("probabilities", FLOAT, [None, width])],
                       {"": 15, ML: 2}, 8, "skl2onnx")


def sklearn_perceptron(model: Categories) -> onnx.ModelProto:
    """A word's vector and MLPClassifier; the label is a string."""
    graph = Graph()
    flat = graph.node("Reshape", [encode(graph, "X", "encoded"), graph.weight("shape_tensor", [-1], np.int64)], "flat")
    vectors = graph.node("Gather", [graph.weight("coefficient", model.embedding.weight), flat], "cast_input")
    hidden = graph.node("Tanh", [vectors], "next_activations")
    product = graph.node("MatMul", [hidden, graph.weight("coefficient1", model.linear.weight.T)], "mul_result1")
    scores = graph.node("Add", [product, graph.weight("intercepts1", model.linear.bias)], "add_result1")
    graph.node("Softmax", [scores], "output_probability", axis=1)
    best = graph.node("ArgMax", ["output_probability"], "argmax_output", axis=1, keepdims=0)
    width = model.design.outputs[1].width
    graph.node("LabelEncoder", [best], "output_label", domain=ML, keys_int64s=list(range(width)),
               values_strings=[f"colour {i}" for i in range(width)], default_string="none")
    return graph.model("mlp", [("X", STRING, [None, 1])], [("output_label", STRING, [None]), ("output_probability", FLOAT, [None, width])],
                       {"": 13, ML: 2}, 7, "skl2onnx")
