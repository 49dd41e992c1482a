namespace RnnService.Core.Taxonomy;

/// <summary>How the heads of a graph score the labels of a tree.</summary>
public enum HeadScheme
{
    /// <summary>A head per level, over the labels of the level.</summary>
    Levels,

    /// <summary>One head over the leaves; a label that divides has the summed probability of its leaves.</summary>
    Leaves,

    /// <summary>One head over all labels.</summary>
    Nodes,

    /// <summary>Conditional heads: one for the root's children, and one for the children of every label that divides.</summary>
    Children,
}
