namespace RnnService.Core.Batching;

/// <summary>
/// Decides what runs together: a function of the waiting sequences, the time, the policy and the learned costs. No threads, no clock.
/// First the window: a fair share of each overdue request by age, then of each request in turn. Then the partition: sorted by length, the cheapest
/// cut into batches is found exactly by dynamic programming, since an optimal batch is a run of neighbours in length. Then the order: by due time.
/// An instance owns its scratch memory: use it from one thread at a time.
/// </summary>
public sealed class BatchPlanner
{
    /// <summary>What it costs to wake another worker, in microseconds: less than this is not worth a split.</summary>
    private const double HandOver = 40;

    private const int Overdue = -1;

    private readonly BatchPolicy _policy;
    private readonly int _maxRows;
    private readonly double[] _fixed;     // by rows, as the graph will run them
    private readonly double[] _perStep;
    private readonly List<int> _window = [];
    private readonly List<PlannedBatch> _batches = [];
    private readonly Dictionary<int, int> _placed = [];
    private int[] _turnOf = [];
    private int[] _order = [];
    private double[] _best = [];
    private int[] _cut = [];

    public BatchPlanner(BatchPolicy policy, BatchCosts costs)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(costs);
        _policy = policy;
        _maxRows = _policy.FixedRows > 0 ? _policy.FixedRows : _policy.MaxRows;
        _fixed = new double[_maxRows + 1];
        _perStep = new double[_maxRows + 1];
        for (int rows = 1; rows <= _maxRows; rows++)
        {
            int run = _policy.FixedRows > 0 ? _policy.FixedRows : rows;
            _fixed[rows] = costs.Predict(run, 0);
            _perStep[rows] = costs.Predict(run, 1) - _fixed[rows];
        }
    }

    /// <summary>Plans.</summary>
    /// <param name="snapshot">All that waits, in order of arrival.</param>
    /// <param name="now">The time, in microseconds from the snapshot's origin.</param>
    /// <param name="freeWorkers">Workers that could run a batch at once, at least 1; with fewer batches than workers the costliest are halved.</param>
    public BatchPlan Plan(ReadOnlySpan<QueuedSequence> snapshot, long now, int freeWorkers)
    {
        ChooseWindow(snapshot, now);
        int n = _window.Count;
        if (_order.Length < n)
            (_order, _best, _cut) = (new int[n], new double[n + 1], new int[n + 1]);
        SortByLength(snapshot);
        Partition(snapshot, n);
        while (_batches.Count < freeWorkers && SplitCostliest(snapshot))
        {
        }
        _batches.Sort(static (a, b) => a.Due != b.Due ? a.Due.CompareTo(b.Due) : b.Cost.CompareTo(a.Cost));
        return new BatchPlan(_order.AsSpan(0, n), System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_batches));
    }

    private void ChooseWindow(ReadOnlySpan<QueuedSequence> snapshot, long now)
    {
        _window.Clear();
        int size = Math.Min(snapshot.Length, _policy.Window);
        if (size == snapshot.Length)
        {
            for (int i = 0; i < size; i++)
                _window.Add(i);
            return;
        }
        if (_turnOf.Length < snapshot.Length)
            _turnOf = new int[snapshot.Length];
        CountTurns(snapshot, now);
        for (int turn = Overdue; _window.Count < size; turn++)
        {
            for (int i = 0; i < snapshot.Length && _window.Count < size; i++)
            {
                if (_turnOf[i] == turn)
                    _window.Add(i);
            }
        }
    }

    /// <summary>
    /// Says of each sequence in which turn of its request it comes; a turn is a fair share. Before all turns comes one share of each request that is overdue:
    /// so nobody waits for those who came after, and a large request that is overdue as a whole does not shut the others out.
    /// </summary>
    private void CountTurns(ReadOnlySpan<QueuedSequence> snapshot, long now)
    {
        _placed.Clear();
        int request = 0;
        int placed = 0;
        for (int i = 0; i < snapshot.Length; i++)
        {
            // sequences of a request mostly stand together: the count is put away only when another request comes
            if (snapshot[i].Request != request)
            {
                _placed[request] = placed;
                request = snapshot[i].Request;
                placed = _placed.GetValueOrDefault(request);
            }
            bool overdue = now - snapshot[i].Arrived >= _policy.WaitBound;
            _turnOf[i] = overdue && placed < _policy.FairShare ? Overdue : placed / _policy.FairShare;
            placed++;
        }
    }

    private void SortByLength(ReadOnlySpan<QueuedSequence> snapshot)
    {
        // Keys carry the position in the low half, so that equal lengths stay in order of arrival and batches are reproducible.
        Span<long> keys = _window.Count <= 512 ? stackalloc long[_window.Count] : new long[_window.Count];
        for (int i = 0; i < keys.Length; i++)
            keys[i] = ((long)snapshot[_window[i]].Length << 32) | (uint)_window[i];
        keys.Sort();
        for (int i = 0; i < keys.Length; i++)
            _order[i] = (int)keys[i];
    }

    private void Partition(ReadOnlySpan<QueuedSequence> snapshot, int n)
    {
        _best[0] = 0;
        int equal = 0;
        for (int end = 1; end <= n; end++)
        {
            int longest = snapshot[_order[end - 1]].Length;
            equal = end > 1 && snapshot[_order[end - 2]].Length == longest ? equal + 1 : 1;
            int most = Math.Min(end, _maxRows);
            if (_policy.FixedRows == 0)   // where rows are fixed a batch costs the same however few of them are used
                most = Math.Min(most, Math.Max(1, _policy.MaxPaddedTokens / Time(longest)));
            if (_policy.EqualLengths)
                most = Math.Min(most, equal);
            (_best[end], _cut[end]) = Cheapest(_best.AsSpan(end - most, most), Time(longest));
        }
        _batches.Clear();
        for (int end = n; end > 0; end -= _cut[end])
            _batches.Add(Batch(snapshot, end - _cut[end], _cut[end]));
    }

    /// <summary>The hot loop of a plan: the best last batch, of 1 to as many rows as <paramref name="before"/> has costs of what goes before it.</summary>
    private (double Cost, int Rows) Cheapest(ReadOnlySpan<double> before, int time)
    {
        var start = _fixed.AsSpan(1, before.Length);
        var step = _perStep.AsSpan(1, before.Length);
        double best = double.PositiveInfinity;
        int bestRows = 0;
        for (int i = 0; i < before.Length; i++)
        {
            double cost = before[before.Length - 1 - i] + start[i] + step[i] * time;
            if (cost < best)
            {
                best = cost;
                bestRows = i + 1;
            }
        }
        return (best, bestRows);
    }

    /// <summary>An idle worker is worth more than a full batch: halves the costliest batch, by cost, when that ends it sooner.</summary>
    private bool SplitCostliest(ReadOnlySpan<QueuedSequence> snapshot)
    {
        int costliest = -1;
        for (int i = 0; i < _batches.Count; i++)
        {
            if (_batches[i].Rows > 1 && (costliest < 0 || _batches[i].Cost > _batches[costliest].Cost))
                costliest = i;
        }
        if (costliest < 0)
            return false;
        var whole = _batches[costliest];
        int bestRows = 0;
        double bestSpan = whole.Cost - HandOver;
        for (int rows = 1; rows < whole.Rows; rows++)
        {
            double span = Math.Max(Cost(rows, snapshot[_order[whole.Start + rows - 1]].Length), Cost(whole.Rows - rows, whole.Time));
            if (span < bestSpan)
                (bestSpan, bestRows) = (span, rows);
        }
        if (bestRows == 0)
            return false;
        _batches[costliest] = Batch(snapshot, whole.Start, bestRows);
        _batches.Add(Batch(snapshot, whole.Start + bestRows, whole.Rows - bestRows));
        return true;
    }

    private PlannedBatch Batch(ReadOnlySpan<QueuedSequence> snapshot, int start, int rows)
    {
        long due = long.MaxValue;
        foreach (int i in _order.AsSpan(start, rows))
            due = Math.Min(due, Math.Min(snapshot[i].Arrived + _policy.WaitBound, snapshot[i].Deadline));
        int time = snapshot[_order[start + rows - 1]].Length;
        return new PlannedBatch(start, rows, time, Cost(rows, time), due);
    }

    private double Cost(int rows, int longest) => _fixed[rows] + _perStep[rows] * Time(longest);

    private int Time(int longest) => _policy.FixedTime > 0 ? _policy.FixedTime : longest;
}
