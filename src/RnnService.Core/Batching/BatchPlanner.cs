namespace RnnService.Core.Batching;

/// <summary>
/// Decides what runs together: a function of the waiting sequences, the time, the policy and the learned costs. No threads, no clock.
/// First the window: overdue sequences by age, then each request in turn its fair share. Then the partition: sorted by length, the cheapest
/// cut into batches is found exactly by dynamic programming, since an optimal batch is a run of neighbours in length. Then the order: by due time.
/// An instance owns its scratch memory: use it from one thread at a time.
/// </summary>
public sealed class BatchPlanner(BatchPolicy policy, BatchCosts costs)
{
    /// <summary>What it costs to wake another worker, in microseconds: less than this is not worth a split.</summary>
    private const double HandOver = 40;

    private readonly List<int> _window = [];
    private readonly List<PlannedBatch> _batches = [];
    private readonly Dictionary<int, int> _turns = [];
    private readonly PriorityQueue<int, (int Turn, int Position)> _fair = new();
    private int[] _order = [];
    private double[] _best = [];
    private int[] _cut = [];

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
        int size = Math.Min(snapshot.Length, policy.Window);
        if (size == snapshot.Length)
        {
            for (int i = 0; i < size; i++)
                _window.Add(i);
            return;
        }
        _turns.Clear();
        _fair.Clear();
        for (int i = 0; i < snapshot.Length; i++)
        {
            if (_window.Count < size && now - snapshot[i].Arrived >= policy.WaitBound)
            {
                _window.Add(i);
                continue;
            }
            int placed = _turns.GetValueOrDefault(snapshot[i].Request);
            _turns[snapshot[i].Request] = placed + 1;
            _fair.Enqueue(i, (placed / policy.FairShare, i));
        }
        while (_window.Count < size)
            _window.Add(_fair.Dequeue());
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
        int maxRows = policy.FixedRows > 0 ? policy.FixedRows : policy.MaxRows;
        _best[0] = 0;
        for (int end = 1; end <= n; end++)
        {
            int longest = snapshot[_order[end - 1]].Length;
            _best[end] = double.PositiveInfinity;
            for (int rows = 1; rows <= Math.Min(end, maxRows); rows++)
            {
                if (rows > 1 && ((long)rows * longest > policy.MaxPaddedTokens || (policy.EqualLengths && snapshot[_order[end - rows]].Length != longest)))
                    break;
                double cost = _best[end - rows] + Cost(rows, longest);
                if (cost < _best[end])
                    (_best[end], _cut[end]) = (cost, rows);
            }
        }
        _batches.Clear();
        for (int end = n; end > 0; end -= _cut[end])
            _batches.Add(Batch(snapshot, end - _cut[end], _cut[end]));
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
            due = Math.Min(due, Math.Min(snapshot[i].Arrived + policy.WaitBound, snapshot[i].Deadline));
        int time = snapshot[_order[start + rows - 1]].Length;
        return new PlannedBatch(start, rows, time, Cost(rows, time), due);
    }

    private double Cost(int rows, int longest) => costs.Predict(
        policy.FixedRows > 0 ? policy.FixedRows : rows,
        policy.FixedTime > 0 ? policy.FixedTime : longest);
}
