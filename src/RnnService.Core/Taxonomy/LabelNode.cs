using System.ComponentModel.DataAnnotations;

namespace RnnService.Core.Taxonomy;

/// <summary>A label with the labels that it divides into.</summary>
/// <param name="Label">The label; unique within its level.</param>
/// <param name="Children">Labels of the next level that this one divides into.</param>
/// <param name="Index">Index of the label's logit in the head that scores it, from 0. By default the labels of a head are numbered in the order of the tree, depth first.</param>
public sealed record LabelNode(
    [property: MinLength(1)] string Label,
    IReadOnlyList<LabelNode>? Children = null,
    [property: Range(0, int.MaxValue)] int? Index = null);
