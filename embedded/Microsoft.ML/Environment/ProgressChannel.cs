namespace Microsoft.ML.Runtime;

/// <summary>A progress channel. An <see cref="MLContext"/> shows progress to nobody, so only misuse is noticed.</summary>
internal sealed class ProgressChannel(IExceptionContext ectx) : IProgressChannel
{
    private ProgressHeader _header = new(metricNames: null, unitNames: null);
    private bool _disposed;

    public void SetHeader(ProgressHeader header, Action<IProgressEntry> fillAction) => _header = header;

    public void Checkpoint(params double?[] values)
    {
        ectx.Check(!_disposed, "Can't report checkpoints after disposing");
        ectx.Check((values?.Length ?? 0) <= _header.MetricNames.Count + 2 * _header.UnitNames.Count, "Too many values provided in Checkpoint");
    }

    public IProgressChannel StartProgressChannel(string name) => new ProgressChannel(ectx);

    public void Dispose() => _disposed = true;
}
