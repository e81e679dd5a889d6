using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.TimmFeatures.Cursors;

/// <summary>
/// Reads rows ahead, a batch at a time, and runs the model once for each batch, however many columns are active. While one batch
/// is computed and consumed, the next is read and decoded in the background. Rows keep their Position, Batch and Id.
/// Not thread safe, as all cursors.
/// </summary>
internal sealed class BatchingCursor : DataViewRowCursor
{
    private readonly FeaturizedSchema _columns;
    private readonly DataViewRowCursor _input;
    private readonly bool[] _active;
    private readonly int _workers;
    private readonly FeaturizerHost _host;
    private readonly bool _beganCancelled;
    private readonly PassProgress _progress;
    private readonly RowComputation?[] _computations;
    private readonly CancellationTokenSource _stop;
    private readonly IChannel? _channel;
    private RowBatch _current;
    private RowBatch _spare;
    private Task? _reading;
    private int _slot = -1;
    private bool _started, _done, _disposed;

    /// <param name="columns">This view's schema.</param>
    /// <param name="input">The upstream cursor, owned by this one.</param>
    /// <param name="active">A flag for each column.</param>
    /// <param name="workers">Threads that prepare images.</param>
    /// <param name="settings">Cancellation.</param>
    /// <param name="host">Log and cancellation.</param>
    /// <param name="progress">Shared by the cursors of a pass.</param>
    /// <param name="makeBatch">Makes a batch over the upstream cursor.</param>
    /// <param name="computations">Those of the mappings with active outputs.</param>
    public BatchingCursor(FeaturizedSchema columns, DataViewRowCursor input, bool[] active, int workers, PassSettings settings, FeaturizerHost host,
        PassProgress progress, Func<RowBatch> makeBatch, RowComputation?[] computations)
    {
        _columns = columns;
        _input = input;
        _active = active;
        _workers = workers;
        _host = host;
        _beganCancelled = host.IsCanceled;
        _progress = progress;
        _computations = computations;
        _current = makeBatch();
        _spare = makeBatch();
        _stop = CancellationTokenSource.CreateLinkedTokenSource(settings.Cancellation);
        _channel = host.StartChannel();
    }

    public override DataViewSchema Schema => _columns.Schema;

    public override long Position => IsOnRow ? _current.Position(_slot) : -1;

    public override long Batch => IsOnRow ? _current.BatchOf(_slot) : 0;

    public override bool IsColumnActive(DataViewSchema.Column column)
    {
        _columns.CheckColumn(column);
        return _active[column.Index];
    }

    public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) =>
    {
        RequireRow();
        id = _current.Id(_slot);
    };

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        FeaturizedSchema.CheckGetter<TValue>(column, IsColumnActive(column));
        if (_columns.FeatureAt(column.Index) is not (int mapping, int output))
        {
            int index = column.Index;
            return (ref TValue value) =>
            {
                RequireRow();
                ((ColumnBuffer<TValue>)_current.Column(index)).Get(_slot, ref value);
            };
        }
        return (ValueGetter<TValue>)_computations[mapping]!.GetterOf(output, () =>
        {
            RequireRow();
            return new RowImage(_current.Images(mapping), _slot);
        }, Error);
    }

    public override bool MoveNext()
    {
        if (_done)
            return false;
        if (++_slot < _current.Count)
            return true;
        bool hasRow = false;
        try
        {
            hasRow = NextBatch();
        }
        finally
        {
            if (!hasRow)
                Finish();
        }
        return hasRow;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_disposed)
        {
            _disposed = true;
            _stop.Cancel();
            try
            {
                // The background read uses the input cursor: it has to be over before that is disposed.
                _reading?.Wait();
            }
            catch (AggregateException)
            {
                // Nobody wants these rows any more, nor the reason why they could not be read.
            }
            Finish();
            _current.Dispose();
            _spare.Dispose();
            foreach (RowComputation? computation in _computations)
                computation?.Dispose();
            _input.Dispose();
            _stop.Dispose();
            _channel?.Dispose();
        }
        base.Dispose(disposing);
    }

    private bool IsOnRow => !_done && _slot >= 0;

    private bool NextBatch()
    {
        if (!_started)
        {
            _started = true;
            _progress.Start();
            StartReading();
        }
        if (_reading is null)
        {
            _current.Failure?.Throw();
            return false;
        }
        _reading.GetAwaiter().GetResult();
        _reading = null;
        (_current, _spare) = (_spare, _current);
        _slot = 0;
        if (_current.Count == 0)
        {
            _current.Failure?.Throw();
            return false;
        }
        if (!_current.IsLast)
            StartReading();
        CheckAlive();
        for (int m = 0; m < _computations.Length; m++)
            _computations[m]?.Compute(_current.Images(m), _current.Count, Warn, _stop.Token);
        _progress.Add(_current.Count, _channel);
        return true;
    }

    private void StartReading()
    {
        RowBatch batch = _spare;
        _reading = Task.Run(() => batch.Read(_workers, _stop.Token, CheckAlive));
    }

    // A context that was cancelled before this pass began is not about it: AutoML cancels each trial's context, and the best trial's model is used after that.
    private void CheckAlive()
    {
        if (_host.IsCanceled && !_beganCancelled)
            throw new OperationCanceledException("The MLContext's work was cancelled.");
    }

    private void Finish()
    {
        if (_done)
            return;
        _done = true;
        _progress.Finish(_channel);
    }

    private void Warn(string message) => _channel?.Warning(MessageSensitivity.UserData, message);

    private void Error(string message) => _channel?.Error(MessageSensitivity.UserData, message);

    private void RequireRow()
    {
        if (!IsOnRow)
            throw new InvalidOperationException("The cursor is not on a row: call MoveNext first, and stop when it returns false.");
    }
}
