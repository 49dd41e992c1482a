"""The list of the bare exports: what each is like, and how a server may batch it."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable

import onnx

import exports_graphs as graphs
from exports_modules import (Categories, Classifier, Convolution, Design, Input, MeanOfEmbeddings, Output, Perceptron, Transformer)

FROZEN_TIME = 10
IDS, LENGTHS = Input("ids", "ids", "int64"), Input("lengths", "lengths", "int64")
COARSE_FINE = (Output("coarse", width=3), Output("fine", width=7))


@dataclass(frozen=True)
class Export:
    """One model folder. mode: as the server names it, or None where it has none; build: makes the graph, instead of PyTorch's exporter."""

    about: str
    mode: str | None
    design: Design
    make: Callable[[Design], Any] = Classifier
    build: Callable[[Any], onnx.ModelProto] | None = None
    opset: int = 17
    rows: int = 3
    time: int = 9
    frozen: tuple[str, ...] = ()        # of batch and time
    axes: str = "named"                 # or "listed" (the exporter makes up the names of axes), or "nothing" (of inputs and outputs neither)
    external: str = ""                  # "file": all weights in one; "files": each in its own, in a subfolder
    tolerance: float = 1e-5


def ids(dtype: str = "int64", name: str = "ids") -> Input:
    return Input(name, "ids", dtype)


def features(dtype: str = "float32", name: str = "features") -> Input:
    return Input(name, "features", dtype)


def head(name: str = "logits", width: int = 4, form: str = "logits", dtype: str = "float32") -> tuple[Output, ...]:
    return (Output(name, form, width, dtype),)


EXPORTS = {
    # PyTorch's exporter: cells, directions, layers, lengths and masks
    "lstm_last_state": Export(
        "A forward LSTM over ids, no lengths, logits from the last hidden state.", "equal_lengths", Design((IDS,), head())),
    "gru_two_layers_lengths_int32": Export(
        "A bidirectional GRU of two layers, int32 lengths that pack it, maximum over time, two heads.", "ragged",
        Design((IDS, Input("lengths", "lengths", "int32")), COARSE_FINE, "GRU", 2, bidirectional=True, packed=True, pooling="max"), opset=13),
    "rnn_tanh_time_major_features": Export(
        "A tanh RNN over features that are [time, batch, channel], with lengths.", "ragged",
        Design((features(name="input"), LENGTHS), head("output", form="log_softmax"), "RNN_TANH", layout="time_major", packed=True), opset=11),
    "rnn_relu_three_layers_bool_mask": Export(
        "A forward relu RNN of three layers over ids; a boolean mask weighs the mean.", "ragged",
        Design((ids("int32"), Input("mask", "mask", "bool")), head("log_probs", 5, "log_softmax"), "RNN_RELU", 3, pooling="mean"), opset=14),
    "lstm_int_mask_and_token_types": Export(
        "The inputs of a BERT model: ids, an int64 mask that packs a bidirectional LSTM, and token types of zeros.", "ragged",
        Design((ids(name="input_ids"), Input("attention_mask", "mask", "int64"), Input("token_type_ids", "zeros", "int64")), head(width=6),
               bidirectional=True, packed=True)),
    "gru_float_mask": Export(
        "A forward GRU of two layers over features; a float32 mask weighs the mean; sigmoids of several labels.", "ragged",
        Design((features(name="x"), Input("mask", "mask", "float32")), head("scores", 5, "sigmoid"), "GRU", 2, pooling="mean"), opset=13),
    "lstm_attention_padding_mask": Export(
        "Attention over an LSTM whose mask is true where there is padding; the weights [batch, time] are an output before the head.", "ragged",
        Design((IDS, Input("padding_mask", "padding", "bool")), (Output("attention", "attention"), *head("probabilities", 5, "softmax")),
               pooling="attention")),
    "lstm_binary_sigmoid": Export(
        "A bidirectional LSTM over ids with lengths, and one sigmoid [batch, 1] for two labels.", "ragged",
        Design((IDS, LENGTHS), head("probability", 1, "sigmoid"), bidirectional=True, packed=True), opset=9),
    "gru_multilabel_sigmoid": Export(
        "A GRU over ids with lengths whose axes have no names, and one sigmoid for each of six labels.", "ragged",
        Design((IDS, LENGTHS), head("sigmoids", 6, "sigmoid"), "GRU", packed=True, pooling="max"), axes="listed"),
    # states as inputs and outputs
    "lstm_states_opset_7": Export(
        "An LSTM of two layers over features with its states as inputs and outputs, the states first; opset 7.", "equal_lengths",
        Design((features(), Input("h0", "h0"), Input("c0", "c0")), (Output("hn", "h_n"), Output("cn", "c_n"), *head()), layers=2), opset=7),
    "gru_state_time_major": Export(
        "A bidirectional GRU over ids [time, batch], its state an input; the outputs of all steps and the last state are outputs too.",
        "equal_lengths",
        Design((IDS, Input("hidden", "h0")), (Output("steps", "steps"), *head(), Output("h_n", "h_n")), "GRU", bidirectional=True,
               layout="time_major", pooling="mean"), opset=9),
    "lstm_packed_with_states": Export(
        "A bidirectional LSTM over ids with lengths; logits, outputs of all steps [batch, time, hidden] and both states are outputs.", "ragged",
        Design((IDS, LENGTHS), (*head("logits", 4), Output("sequence_output", "steps"), Output("h_n", "h_n"), Output("c_n", "c_n")),
               bidirectional=True, packed=True)),
    # types
    "gru_float16_features": Export(
        "Features, lengths and a GRU; features and logits are float16.", "ragged",
        Design((features("float16"), LENGTHS), head("logits", 4, dtype="float16"), "GRU", packed=True), tolerance=1e-3),
    "lstm_float64_features": Export(
        "A bidirectional LSTM over float64 features with a boolean mask; log-probabilities in float64.", "ragged",
        Design((features("float64"), Input("valid", "mask", "bool")), head("log_probabilities", 4, "log_softmax", "float64"), bidirectional=True,
               packed=True, pooling="mean")),
    "gru_ids_float32": Export(
        "Ids that come as float32 and are cast; the last time step is classified.", "equal_lengths",
        Design((ids("float32", "tokens"),), head("class_probabilities", 5, "softmax"), "GRU", pooling="last_step"), opset=11),
    # frozen axes
    "lstm_frozen_batch_one": Export(
        "A bidirectional LSTM whose batch is 1 because its initial state is a constant.", "batch_of_one",
        Design((IDS,), head(), bidirectional=True, state="none", pooling="mean"), rows=1, frozen=("batch",)),
    "gru_nothing_named": Export(
        "Exported without any names or dynamic axes: one sequence of 10 ids.", "fixed_time_batch_of_one",
        Design((IDS,), head(), "GRU", 2, state="none"), opset=13, rows=1, time=FROZEN_TIME, frozen=("batch", "time"), axes="nothing"),
    "gru_frozen_time_mask": Export(
        "10 time steps, no more and no fewer, with an int64 mask that packs a bidirectional GRU.", "fixed_time_ragged",
        Design((ids("int32"), Input("attention_mask", "mask", "int64")), COARSE_FINE, "GRU", bidirectional=True, packed=True, pooling="max"),
        opset=14, time=FROZEN_TIME, frozen=("time",)),
    "lstm_frozen_batch_four": Export(
        "Batches of 4 rows over features, with lengths.", "fixed_batch",
        Design((features(), LENGTHS), head("softmax", 3, "softmax"), packed=True, state="none"), rows=4, frozen=("batch",)),
    "gru_square_time_major": Export(
        "Ids that are [8, 8] with time first, and lengths: the shape does not say which axis is which.", "fixed_time_fixed_batch",
        Design((IDS, LENGTHS), head(), "GRU", bidirectional=True, layout="time_major", state="none", packed=True), rows=8, time=8,
        frozen=("batch", "time")),
    "rnn_square_features_time_major": Export(
        "Features that are [8, 8, 3] with time first, no lengths.", "fixed_time_fixed_batch",
        Design((features(name="input"),), head("output", 4), "RNN_TANH", layout="time_major", state="none"), opset=14, rows=8, time=8,
        frozen=("batch", "time")),
    "gru_unbatched": Export(
        "Ids [time] without a batch axis; logits [label].", "batch_of_one",
        Design((IDS,), head(), "GRU", layout="unbatched"), rows=1),
    # external data
    "gru_external_file": Export(
        "All weights in one file beside the graph.", "ragged",
        Design((IDS, LENGTHS), COARSE_FINE, "GRU", packed=True), external="file"),
    "lstm_external_files": Export(
        "Each weight in a file of its own in a subfolder.", "equal_lengths",
        Design((features(),), head("logits", 5), layers=2, bidirectional=True), opset=14, external="files"),
    # no recurrent node
    "mean_of_embeddings_opset_7": Export(
        "No recurrence: the mean of embeddings under a float32 mask; opset 7.", "ragged",
        Design((IDS, Input("mask", "mask", "float32")), head()), MeanOfEmbeddings, opset=7),
    "convolution": Export(
        "No recurrence: a convolution over ids and a maximum over time, which padding takes part in.", "equal_lengths",
        Design((IDS,), COARSE_FINE), Convolution, opset=13),
    "transformer_time_major": Export(
        "No recurrence: an encoder layer over ids [time, batch] with a padding mask [batch, time], as PyTorch's Transformer takes them.",
        "ragged",
        Design((ids(name="src"), Input("src_key_padding_mask", "padding", "bool")), head("output", 5), layout="time_major"), Transformer, opset=14),
    "perceptron_float64": Export(
        "No recurrence and no time axis: features [batch, channel], all in float64.", None,
        Design((features("float64", "x"),), head("y", 4, "softmax", "float64"), layout="flat"), Perceptron),
    # other exporters
    "keras_lstm_windows": Export(
        "tf2onnx: an LSTM over features with 10 time steps, Dense with softmax; opset 13.", "fixed_time_equal_lengths",
        Design((features(name="args_0"),), head("dense", 6, "softmax")), build=lambda model: graphs.keras_lstm(model, FROZEN_TIME),
        time=FROZEN_TIME, frozen=("time",)),
    "keras_lstm_backwards": Export(
        "tf2onnx: LSTM(go_backwards=True) over features of any number of steps, Dense with softmax.", "equal_lengths",
        Design((features(name="args_0"),), head("dense_2", 3, "softmax"), reverse=True), build=lambda model: graphs.keras_lstm(model, 0, "reverse")),
    "keras_return_state": Export(
        "tf2onnx: LSTM(return_state=True); both states [batch, hidden] are outputs after the softmax of Dense.", "equal_lengths",
        Design((features(name="args_0"),), (*head("dense_3", 4, "softmax"), Output("lstm_3", "h_n"), Output("lstm_3_1", "c_n"))),
        build=lambda model: graphs.keras_lstm(model, 0)),
    "keras_bidirectional_gru": Export(
        "tf2onnx: ids as float32, Embedding, Bidirectional(GRU), Dense with one sigmoid; opset 9.", "equal_lengths",
        Design((ids("float32", "embedding_input"),), head("dense_1", 1, "sigmoid"), "GRU", bidirectional=True), build=graphs.keras_bidirectional_gru),
    "keras_masked_embedding": Export(
        "tf2onnx: Embedding(mask_zero=True) over int32 ids; the LSTM's lengths are counted in the graph; opset 11.", "ragged",
        Design((ids("int32", "input_1"),), head("dense", 4, "softmax")), build=graphs.keras_masked_embedding),
    "rnn_reverse_lengths": Export(
        "By hand: features [time, batch, channel] go straight into a backward RNN, with int32 lengths.", "ragged",
        Design((features(name="X"), Input("sequence_lens", "lengths", "int32")), head("log_p", 4, "log_softmax"), "RNN_TANH", reverse=True,
               layout="time_major"), build=graphs.reverse_rnn),
    "dynamo_lstm": Export(
        "PyTorch's second exporter: symbolic dimensions, a Linear as a function of the model; opset 18.", "equal_lengths",
        Design((ids(name="input_ids"),), head("logits", 5), bidirectional=True, pooling="mean"), build=graphs.dynamo_lstm),
    "dynamo_gru_function": Export(
        "PyTorch's second exporter: the recurrent node is inside a function, two heads share another, lengths; the newest opset.", "ragged",
        Design((IDS, LENGTHS), COARSE_FINE, "GRU", bidirectional=True), build=graphs.dynamo_gru_function),
    "sklearn_linear": Export(
        "skl2onnx: one word, OneHotEncoder and LogisticRegression; an int64 label and probabilities.", None,
        Design((Input("word", "text", "str"),), (Output("label", "label"), *head("probabilities", 4, "softmax"))), Categories, graphs.sklearn_linear),
    "sklearn_perceptron": Export(
        "skl2onnx: one word and MLPClassifier; a string label and probabilities.", None,
        Design((Input("X", "text", "str"),), (Output("output_label", "label"), *head("output_probability", 3, "softmax"))),
        lambda design: Categories(design, hidden=5), graphs.sklearn_perceptron),
}
