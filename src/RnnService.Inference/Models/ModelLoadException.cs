using RnnService.Core;

namespace RnnService.Inference.Models;

/// <summary>A model cannot be served; <see cref="Faults"/> has all reasons.</summary>
internal sealed class ModelLoadException(IReadOnlyList<Fault> faults, Exception? inner = null)
    : Exception(string.Join(" ", faults), inner)
{
    public IReadOnlyList<Fault> Faults { get; } = faults;
}
