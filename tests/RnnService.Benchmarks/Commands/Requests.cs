using RnnService.Benchmarks.Workload;

namespace RnnService.Benchmarks.Commands;

/// <summary>The requests of all cases, each set rendered once.</summary>
internal sealed class Requests(TestedModel model)
{
    private readonly Dictionary<(string Mix, int Rows), RequestSet> _sets = [];

    public RequestSet Of(LengthMix mix, int rows)
    {
        if (!_sets.TryGetValue((mix.Name, rows), out var set))
            _sets[(mix.Name, rows)] = set = RequestSet.Of(TokenSequences.Of(mix, model), rows);
        return set;
    }

    public RequestSet Of(LoadCase load) => Of(load.Mix, load.Rows);
}
