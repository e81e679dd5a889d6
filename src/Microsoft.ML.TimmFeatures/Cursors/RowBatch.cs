using Microsoft.ML.Data;

namespace Microsoft.ML.TimmFeatures.Cursors;

/// <summary>The rows read together: what passes through, what identifies them, and their features.</summary>
internal sealed class RowBatch : IDisposable
{
    private readonly DataViewRowCursor _input;
    private readonly ValueGetter<DataViewRowId> _idGetter;
    private readonly ColumnBuffer?[] _columns;
    private readonly FeatureComputation?[] _features;
    private readonly DataViewRowId[] _ids;
    private readonly long[] _batches;
    private readonly long[] _positions;
    private readonly Func<int, long> _positionOf;

    public RowBatch(DataViewRowCursor input, int size, ColumnBuffer?[] columns, FeatureComputation?[] features)
    {
        _input = input;
        _idGetter = input.GetIdGetter();
        _columns = columns;
        _features = features;
        _ids = new DataViewRowId[size];
        _batches = new long[size];
        _positions = new long[size];
        _positionOf = slot => _positions[slot];
    }

    /// <summary>Rows in the batch.</summary>
    public int Count { get; private set; }

    /// <summary>Whether the upstream cursor is at its end.</summary>
    public bool IsLast { get; private set; }

    public long Position(int slot) => _positions[slot];

    public long BatchOf(int slot) => _batches[slot];

    public DataViewRowId Id(int slot) => _ids[slot];

    public ColumnBuffer Column(int index) => _columns[index]!;

    public FeatureComputation Features(int mapping) => _features[mapping]!;

    /// <summary>Reads the next rows and prepares their images, in parallel.</summary>
    public void Read(int workers, CancellationToken cancellation)
    {
        Count = 0;
        while (Count < _ids.Length)
        {
            cancellation.ThrowIfCancellationRequested();
            if (!_input.MoveNext())
            {
                IsLast = true;
                break;
            }
            int slot = Count++;
            _positions[slot] = _input.Position;
            _batches[slot] = _input.Batch;
            _idGetter(ref _ids[slot]);
            foreach (ColumnBuffer? column in _columns)
                column?.Capture(slot);
            foreach (FeatureComputation? features in _features)
                features?.Capture(slot);
        }
        if (Count > 0)
            Parallel.For(0, Count, new ParallelOptions { MaxDegreeOfParallelism = workers, CancellationToken = cancellation }, PrepareRow);
    }

    /// <summary>Computes the features of the rows that were read.</summary>
    public void Compute(Runtime.IChannel? channel)
    {
        foreach (FeatureComputation? features in _features)
            features?.Compute(Count, _positionOf, channel);
    }

    public void Dispose()
    {
        foreach (ColumnBuffer? column in _columns)
            column?.Dispose();
    }

    private void PrepareRow(int slot)
    {
        foreach (FeatureComputation? features in _features)
            features?.Prepare(slot);
    }
}
