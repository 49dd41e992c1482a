namespace RnnService.Core.Tests;

/// <summary>Short words for what tests say about faults.</summary>
internal static class Faults
{
    /// <summary>There is exactly one fault, at this pointer, and its text holds <paramref name="part"/>.</summary>
    public static void AssertSingle(IReadOnlyList<Fault> faults, string pointer, string part)
    {
        var fault = Assert.Single(faults);
        Assert.Equal(pointer, fault.Pointer);
        Assert.Contains(part, fault.Detail, StringComparison.Ordinal);
    }

    /// <summary>The pointers of all faults, in order.</summary>
    public static void AssertPointers(IReadOnlyList<Fault> faults, params string[] pointers) =>
        Assert.Equal(pointers, faults.Select(f => f.Pointer));
}
