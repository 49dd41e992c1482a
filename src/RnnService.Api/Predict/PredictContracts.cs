namespace RnnService.Api.Predict;

/// <summary>Body of a prediction request. Only for the OpenAPI document: <see cref="PredictRequestReader"/> reads the body without these objects.</summary>
/// <param name="Model">Name of the model; by default the one that Models:Default names.</param>
/// <param name="Version">Version of the model; by default the newest ready one.</param>
/// <param name="Inputs">1 or more sequences. They may differ in length; the answer to one never depends on the others.</param>
/// <param name="TopK">How many alternatives to list; by default 1, which lists none.</param>
/// <param name="Decoding">best_path (most probable leaf, exact), top_down (most probable child at each node) or independent (each level by its own head alone); by default the model's own.</param>
/// <param name="Threshold">0 to 1. The path ends at the last label that is at least this probable; the coarsest level is always answered. Independent decoding has no descent and ignores it.</param>
/// <param name="TimeoutMs">How long the answer may take, in milliseconds; can only shorten the server's own limit.</param>
internal sealed record PredictBody(string? Model, string? Version, IReadOnlyList<PredictInput> Inputs, int? TopK, string? Decoding, double? Threshold, int? TimeoutMs);

/// <summary>A sequence: exactly one of text, tokens, ids, features, as the model takes it; GET /models/{model} says which. A plain string is short for {"text": …}.</summary>
/// <param name="Id">Echoed in the prediction.</param>
/// <param name="Text">Text, for a model with a tokenizer, which splits it, or for a graph that takes text.</param>
/// <param name="Tokens">Tokens, for a model with a vocabulary, where they are looked up as they are.</param>
/// <param name="Ids">Ids of tokens, for a model that takes ids.</param>
/// <param name="Features">For a numeric model: an array of time steps, each an array with one number a channel, in the order of the model's channels and in their raw units; the model's own normalisation is applied. null is a missing value, where the model's manifest says what stands for one.</param>
internal sealed record PredictInput(string? Id, string? Text, IReadOnlyList<string>? Tokens, IReadOnlyList<int>? Ids, IReadOnlyList<IReadOnlyList<double?>>? Features);

/// <param name="Model">The model that answered.</param>
/// <param name="Version">Its version.</param>
/// <param name="Predictions">One for each input, in order.</param>
internal sealed record PredictAnswer(string Model, string Version, IReadOnlyList<PredictionDocument> Predictions);

/// <param name="Id">The id that the input had.</param>
/// <param name="Label">The last label of the path.</param>
/// <param name="Probability">Its probability, 0 to 1.</param>
/// <param name="Path">Labels from coarse to fine; each the child of the one before.</param>
/// <param name="Levels">The same labels with level and probability. Children's probabilities sum to their parent's.</param>
/// <param name="Consistent">Only with independent decoding: whether the path is a chain of the label tree.</param>
/// <param name="StoppedAt">The level where the threshold ended the descent.</param>
/// <param name="Alternatives">With top_k over 1: the most probable leaves, falling, ties in tree order.</param>
internal sealed record PredictionDocument(string? Id, string Label, float Probability, IReadOnlyList<string> Path, IReadOnlyList<LevelDocument> Levels, bool? Consistent, string? StoppedAt, IReadOnlyList<AlternativeDocument>? Alternatives);

/// <param name="Name">Name of the level.</param>
/// <param name="Label">The label at this level.</param>
/// <param name="Probability">Its probability, 0 to 1.</param>
internal sealed record LevelDocument(string Name, string Label, float Probability);

/// <param name="Path">Labels from the coarsest to a leaf.</param>
/// <param name="Probability">The leaf's probability, 0 to 1.</param>
internal sealed record AlternativeDocument(IReadOnlyList<string> Path, float Probability);
