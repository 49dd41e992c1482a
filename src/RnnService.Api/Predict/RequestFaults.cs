using RnnService.Api.Errors;
using RnnService.Core;

namespace RnnService.Api.Predict;

/// <summary>Collects what is wrong with a request, up to a number that a person would read.</summary>
internal sealed class RequestFaults
{
    private const int Most = 100;

    private List<Fault>? _faults;
    private bool _invalid;

    public bool Any => _faults is not null;

    public bool Full => _faults?.Count >= Most;

    /// <summary>The body says something that is not allowed: 400.</summary>
    public void Add(string pointer, string detail)
    {
        _invalid = true;
        if (!Full)
            (_faults ??= []).Add(new Fault(pointer, detail));
    }

    /// <summary>The body asks for more than a limit: 413, if nothing else is wrong.</summary>
    public void AddOverLimit(string pointer, string detail)
    {
        if (!Full)
            (_faults ??= []).Add(new Fault(pointer, detail));
    }

    public Problem ToProblem() => _invalid ? Problem.Invalid(_faults!) : Problem.TooLarge(_faults!);
}
