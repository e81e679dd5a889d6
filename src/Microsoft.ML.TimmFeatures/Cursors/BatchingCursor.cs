using System.Diagnostics;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.TimmFeatures.Cursors;

/// <summary>
/// Reads rows ahead, a batch at a time, and runs the backbone once for each batch, however many columns are active. While one batch
/// is computed and consumed, the next is read and decoded in the background. Rows keep their Position, Batch and Id.
/// Not thread safe, as all cursors.
/// </summary>
internal sealed class BatchingCursor : DataViewRowCursor
{
    private readonly FeaturizedView _view;
    private readonly DataViewRowCursor _input;
    private readonly bool[] _active;
    private readonly FeaturizerOptions _options;
    private readonly IChannel? _channel;
    private readonly Stopwatch _watch = new();
    private readonly int _workers;
    private RowBatch _current;
    private RowBatch _spare;
    private Task? _reading;
    private int _slot = -1;
    private long _rows;
    private bool _started, _done, _disposed;

    public BatchingCursor(FeaturizedView view, DataViewRowCursor input, bool[] active, Func<RowBatch> makeBatch, int workers)
    {
        _view = view;
        _input = input;
        _active = active;
        _options = view.Options;
        _workers = workers;
        _current = makeBatch();
        _spare = makeBatch();
        _channel = view.Environment?.Start("TimmFeatures");
    }

    public override DataViewSchema Schema => _view.Schema;

    public override long Position => IsOnRow ? _current.Position(_slot) : -1;

    public override long Batch => IsOnRow ? _current.BatchOf(_slot) : 0;

    public override bool IsColumnActive(DataViewSchema.Column column)
    {
        _view.CheckColumn(column);
        return _active[column.Index];
    }

    public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) =>
    {
        RequireRow();
        id = _current.Id(_slot);
    };

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        _view.CheckGetter<TValue>(column, IsColumnActive(column));
        if (_view.FeatureAt(column.Index) is not (int mapping, int output))
        {
            int index = column.Index;
            return (ref TValue value) =>
            {
                RequireRow();
                ((ColumnBuffer<TValue>)_current.Column(index)).Get(_slot, ref value);
            };
        }
        ValueGetter<VBuffer<float>> getter = (ref VBuffer<float> value) =>
        {
            RequireRow();
            _current.Features(mapping).Get(output, _slot, ref value);
        };
        return (ValueGetter<TValue>)(Delegate)getter;
    }

    public override bool MoveNext()
    {
        if (_done || _disposed)
            return false;
        if (_slot + 1 < _current.Count && _started)
        {
            _slot++;
            return true;
        }
        try
        {
            if (NextBatch())
                return true;
        }
        catch
        {
            _done = true;
            throw;
        }
        Finish();
        return false;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_disposed)
        {
            _disposed = true;
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
            _input.Dispose();
            _channel?.Dispose();
        }
        base.Dispose(disposing);
    }

    private bool IsOnRow => _started && !_done && !_disposed && _slot >= 0;

    private bool NextBatch()
    {
        if (!_started)
        {
            _started = true;
            _watch.Start();
            StartReading();
        }
        if (_reading is null)
            return false;
        _reading.GetAwaiter().GetResult();
        _reading = null;
        (_current, _spare) = (_spare, _current);
        if (_current.Count == 0)
            return false;
        if (!_current.IsLast)
            StartReading();
        _current.Compute(_channel);
        _slot = 0;
        _rows += _current.Count;
        _options.Progress?.Report(new FeaturizationProgress(_rows, _view.GetRowCount(), _watch.Elapsed));
        return true;
    }

    private void StartReading()
    {
        RowBatch batch = _spare;
        _reading = Task.Run(() => batch.Read(_workers, _options.Cancellation));
    }

    private void Finish()
    {
        if (_started && _watch.IsRunning)
        {
            _watch.Stop();
            _channel?.Info(MessageSensitivity.None,
                $"{_view.Options.ModelName}: {_rows} rows in {_watch.Elapsed.TotalSeconds:0.0} s, {_rows / Math.Max(_watch.Elapsed.TotalSeconds, 1e-9):0.0} rows/s, batches of {_options.EffectiveBatchSize}.");
        }
        _done = true;
    }

    private void RequireRow()
    {
        if (!IsOnRow)
            throw new InvalidOperationException("The cursor is not on a row: call MoveNext first, and stop when it returns false.");
    }
}
