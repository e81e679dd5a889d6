using System.Runtime.ExceptionServices;
using Microsoft.ML.Data;

namespace Microsoft.ML.TimmFeatures.Cursors;

/// <summary>Rows that were read together: what identifies them, what passes through, and their images.</summary>
internal sealed class RowBatch(DataViewRowCursor input, int size, ColumnBuffer?[] columns, ImageBatch?[] images) : IDisposable
{
    private readonly ValueGetter<DataViewRowId> _idGetter = input.GetIdGetter();
    private readonly DataViewRowId[] _ids = new DataViewRowId[size];
    private readonly long[] _batches = new long[size];
    private readonly long[] _positions = new long[size];

    /// <summary>Rows in the batch.</summary>
    public int Count { get; private set; }

    /// <summary>Whether there are no rows after these.</summary>
    public bool IsLast { get; private set; }

    /// <summary>Why not, where the upstream cursor failed instead of ending.</summary>
    public ExceptionDispatchInfo? Failure { get; private set; }

    public long Position(int slot) => _positions[slot];

    public long BatchOf(int slot) => _batches[slot];

    public DataViewRowId Id(int slot) => _ids[slot];

    public ColumnBuffer Column(int index) => columns[index]!;

    public ImageBatch Images(int mapping) => images[mapping]!;

    /// <summary>Reads the next rows and prepares their images, in parallel.</summary>
    /// <exception cref="OperationCanceledException">It was told to stop.</exception>
    public void Read(int workers, CancellationToken cancellation, Action checkAlive)
    {
        Count = 0;
        while (Count < size && !IsLast)
        {
            cancellation.ThrowIfCancellationRequested();
            checkAlive();
            if (TryMove(Count))
                Count++;
            else
                IsLast = true;
        }
        if (Count > 0)
            Parallel.For(0, Count, new ParallelOptions { MaxDegreeOfParallelism = workers, CancellationToken = cancellation }, Prepare);
    }

    public void Dispose()
    {
        foreach (ColumnBuffer? column in columns)
            column?.Dispose();
    }

    private bool TryMove(int slot)
    {
        try
        {
            if (!input.MoveNext())
                return false;
            _positions[slot] = input.Position;
            _batches[slot] = input.Batch;
            _idGetter(ref _ids[slot]);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // The rows before are good: the consumer gets them first.
            Failure = ExceptionDispatchInfo.Capture(e);
            return false;
        }
        foreach (ColumnBuffer? column in columns)
            column?.Capture(slot);
        foreach (ImageBatch? image in images)
            image?.Capture(slot);
        return true;
    }

    private void Prepare(int slot)
    {
        foreach (ImageBatch? image in images)
            image?.Prepare(slot);
    }
}
