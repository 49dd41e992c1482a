"""Runs an exported graph with NumPy: slow, but independent of what trained it.

Only the operators that `export.py` produces are known, integer division only of what is not negative.
"""
from __future__ import annotations

from typing import Any, Callable

import numpy as np
import onnx
from onnx import numpy_helper

Array = np.ndarray


def sigmoid(x: Array) -> Array:
    """Logistic function."""
    return 1 / (1 + np.exp(-x))


def gru(x: Array, w: Array, r: Array, b: Array, lengths: Array, start: Array, **_: Any) -> tuple[Array, Array]:
    """Bidirectional GRU: x [time, batch, input] -> states [time, 2, batch, hidden] and last ones."""
    steps, size, hidden = x.shape[0], x.shape[1], r.shape[2]
    states = np.zeros((steps, 2, size, hidden), np.float32)
    last = start.copy()
    for direction in range(2):
        input_bias, state_bias = np.split(b[direction], 2)
        for row in range(size):
            state = start[direction, row]
            order = range(int(lengths[row]))
            for step in order if direction == 0 else reversed(order):
                xz, xr, xh = np.split(w[direction] @ x[step, row] + input_bias, 3)
                hz, hr, hh = np.split(r[direction] @ state + state_bias, 3)
                update, reset = sigmoid(xz + hz), sigmoid(xr + hr)
                state = (1 - update) * np.tanh(xh + reset * hh) + update * state
                states[step, direction, row] = state
            last[direction, row] = state
    return states, last


def convolve(x: Array, w: Array, b: Array, strides: list[int], pads: list[int], **_: Any) -> Array:
    """ONNX Conv along one axis: x [batch, inputs, time], w [outputs, inputs, kernel]."""
    padded = np.pad(x, ((0, 0), (0, 0), tuple(pads)))
    seen = np.lib.stride_tricks.sliding_window_view(padded, w.shape[2], axis=2)[:, :, ::strides[0]]
    return np.einsum("bitk,oik->bot", seen, w, optimize=True) + b[:, None]


def softmax(x: Array, axis: int) -> Array:
    """Softmax along one axis."""
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def cut(x: Array, starts: Array, ends: Array, axes: Array, steps: Array) -> Array:
    """ONNX Slice."""
    index = [slice(None)] * x.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps):
        index[int(axis)] = slice(int(start), int(end), int(step))
    return x[tuple(index)]


def reshape(x: Array, shape: Array, **_: Any) -> Array:
    """ONNX Reshape: 0 keeps a dimension."""
    return x.reshape([x.shape[i] if size == 0 else int(size) for i, size in enumerate(shape)])


def unsqueeze(x: Array, axes: Array) -> Array:
    """ONNX Unsqueeze."""
    return np.expand_dims(x, tuple(int(axis) for axis in axes))


OPERATORS: dict[str, Callable[..., Any]] = {
    "Add": np.add, "Mul": np.multiply, "MatMul": np.matmul, "Where": np.where, "Slice": cut,
    "GreaterOrEqual": np.greater_equal, "Range": np.arange, "Reshape": reshape, "Unsqueeze": unsqueeze,
    "Softmax": softmax, "GRU": gru, "Conv": convolve,
    "Relu": lambda x: np.maximum(x, 0), "Div": lambda a, b: a // b if a.dtype.kind == "i" else a / b, "Identity": lambda x: x,
    "Mod": lambda a, b, fmod=0: np.mod(a, b),
    "Constant": lambda value: value,
    "Transpose": lambda x, perm: x.transpose(perm),
    "Gather": lambda x, index, axis=0: np.take(x, index, axis=axis),
    "Concat": lambda *parts, axis: np.concatenate(parts, axis=axis),
    "Shape": lambda x: np.array(x.shape, np.int64),
    "ConstantOfShape": lambda shape, value: np.full(tuple(shape), value.reshape(-1)[0]),
    "Cast": lambda x, to: x.astype(onnx.mapping.TENSOR_TYPE_TO_NP_TYPE[to])
    if hasattr(onnx, "mapping") else x.astype(onnx.helper.tensor_dtype_to_np_dtype(to)),
    "ReduceSum": lambda x, axes, keepdims=1: x.sum(axis=tuple(axes), keepdims=bool(keepdims)),
    "ReduceMax": lambda x, axes, keepdims=1: x.max(axis=tuple(axes), keepdims=bool(keepdims)),
    "Gemm": lambda a, b, c, alpha=1.0, beta=1.0, transB=0: alpha * (a @ (b.T if transB else b)) + beta * c,
}


def run_graph(model: onnx.ModelProto, feeds: dict[str, Array]) -> list[Array]:
    """Evaluates the graph's nodes in order and returns its outputs."""
    values = {"": None, **{item.name: numpy_helper.to_array(item) for item in model.graph.initializer}, **feeds}
    for node in model.graph.node:
        options = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        options = {name: numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value
                   for name, value in options.items()}
        made = OPERATORS[node.op_type](*[values[name] for name in node.input], **options)
        values.update(zip(node.output, made if isinstance(made, tuple) else (made,)))
    return [values[output.name] for output in model.graph.output]
