using System.ComponentModel.DataAnnotations;
using RnnService.Core.Taxonomy;

namespace RnnService.Core.Manifests;

/// <summary>
/// A graph output that scores labels. Which ones is said by one of <c>level</c> (a head per level), <c>scores</c> (one head for all)
/// and <c>children_of</c> (a head per label that divides), the same one for all heads, or found from the widths of the outputs where no head says it.
/// </summary>
/// <param name="Output">Name of the graph output, float [batch, labels].</param>
/// <param name="Level">Name of the level in <c>labels.json</c> that the output scores.</param>
/// <param name="Scores">The labels that the only head scores: "leaves", where labels that divide get the sum of their leaves, or "nodes", all labels.</param>
/// <param name="ChildrenOf">The label whose children the output scores, given that label; "" or "/" for the coarsest labels. A label that occurs in several levels is written as its path, "A/B".</param>
/// <param name="Activation">What the numbers of the output are; found by the server unless stated.</param>
public sealed record HeadManifest(
    [property: MinLength(1)] string Output,
    [property: MinLength(1)] string? Level = null,
    ScoredLabels? Scores = null,
    string? ChildrenOf = null,
    HeadActivation? Activation = null)
{
    /// <summary>The field that says which labels the head scores; null when none does.</summary>
    internal string? Says => Level is not null ? "level" : Scores is not null ? "scores" : ChildrenOf is not null ? "children_of" : null;

    internal static void Check(IReadOnlyList<HeadManifest> heads, List<Fault> faults)
    {
        for (int i = 0; i < heads.Count; i++)
        {
            var (output, level, scores, childrenOf, _) = heads[i];
            var before = heads.Take(i);
            if (before.Any(h => h.Output == output))
                faults.Add(new Fault($"/heads/{i}/output", $"The output \"{output}\" is named by two heads; an output is one head."));
            if (level is not null && before.Any(h => h.Level == level))
                faults.Add(new Fault($"/heads/{i}/level", $"The level \"{level}\" is scored by two heads; a level has one."));
            if (childrenOf is not null && before.Any(h => h.ChildrenOf?.Trim('/') == childrenOf.Trim('/')))
                faults.Add(new Fault($"/heads/{i}/children_of", $"The children of \"{childrenOf}\" are scored by two heads; they have one."));
            if (new object?[] { level, scores, childrenOf }.Count(f => f is not null) > 1)
                faults.Add(new Fault($"/heads/{i}", "A head says which labels it scores by one of level, scores and children_of, not by several."));
            else if (heads[i].Says != heads[0].Says)
                faults.Add(new Fault($"/heads/{i}", $"The head says which labels it scores by {heads[i].Says ?? "nothing"}, and the first head by {heads[0].Says ?? "nothing"}; use the same for all heads."));
        }
        if (heads.Count > 1 && heads[0].Scores is not null)
            faults.Add(new Fault("/heads", $"One head alone scores all leaves or all nodes, and {heads.Count} are listed; list one, or say by level or children_of what each scores."));
    }
}

/// <summary>The labels that one head alone scores.</summary>
public enum ScoredLabels
{
    /// <summary>Labels without children; the others get the sum of their leaves.</summary>
    Leaves,

    /// <summary>All labels.</summary>
    Nodes,
}
