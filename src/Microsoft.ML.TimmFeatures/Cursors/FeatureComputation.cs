using Backbones;
using Microsoft.ML.Data;
using Microsoft.ML.TimmFeatures.Sessions;

namespace Microsoft.ML.TimmFeatures.Cursors;

/// <summary>One column mapping's active outputs: their values for the batch that was computed last.</summary>
internal sealed class FeatureComputation
{
    private readonly Lease<FeaturizerSession> _session;
    private readonly FeatureExtractor _extractor;
    private readonly ImageErrorMode _onError;
    private readonly float[][] _outputs;
    private readonly Memory<float>[] _views;
    private readonly int[] _lengths;
    private readonly int[] _outputAt;

    /// <param name="session">Says whether the transformer was disposed.</param>
    /// <param name="extractor">Computes the active outputs.</param>
    /// <param name="active">Which outputs are active.</param>
    /// <param name="slots">Rows of a batch.</param>
    /// <param name="onError">What becomes of rows without an image.</param>
    public FeatureComputation(Lease<FeaturizerSession> session, FeatureExtractor extractor, bool[] active, int slots, ImageErrorMode onError)
    {
        _session = session;
        _extractor = extractor;
        _onError = onError;
        _lengths = [.. extractor.Outputs.Select(o => (int)o.Shape.Length)];
        _outputs = [.. _lengths.Select(l => GC.AllocateUninitializedArray<float>(checked(slots * l)))];
        _views = new Memory<float>[_outputs.Length];
        _outputAt = new int[active.Length];
        for (int i = 0, next = 0; i < active.Length; i++)
            _outputAt[i] = active[i] ? next++ : -1;
    }

    /// <summary>Computes the features of the first rows of a batch.</summary>
    /// <param name="images">The rows' images.</param>
    /// <param name="count">How many rows.</param>
    /// <param name="warn">Gets a sentence for each row without an image that becomes NaN.</param>
    /// <param name="cancellation">Stops between operators.</param>
    /// <exception cref="ObjectDisposedException">The transformer was disposed.</exception>
    public void Compute(ImageBatch images, int count, Action<string> warn, CancellationToken cancellation)
    {
        for (int i = 0; i < _views.Length; i++)
            _views[i] = _outputs[i].AsMemory(0, count * _lengths[i]);
        Run(images, count, cancellation);
        if (_onError == ImageErrorMode.Throw)
            return;
        for (int slot = 0; slot < count; slot++)
        {
            if (images.Problem(slot) is not { } problem)
                continue;
            for (int i = 0; i < _outputs.Length; i++)
                _outputs[i].AsSpan(slot * _lengths[i], _lengths[i]).Fill(float.NaN);
            warn($"{problem.Message} Its features are NaN.");
        }
    }

    /// <summary>Copies one row's values of an output.</summary>
    /// <exception cref="InvalidOperationException">The row has no image, and that is an error.</exception>
    public void Get(ImageBatch images, int output, int slot, ref VBuffer<float> value)
    {
        // Thrown here and not when the batch was computed: rows before it are good, and this one may not be wanted.
        if (_onError == ImageErrorMode.Throw && images.Problem(slot) is { } problem)
            throw problem;
        int at = _outputAt[output], length = _lengths[at];
        VBufferEditor<float> editor = VBufferEditor.Create(ref value, length);
        _outputs[at].AsSpan(slot * length, length).CopyTo(editor.Values);
        value = editor.Commit();
    }

    private void Run(ImageBatch images, int count, CancellationToken cancellation)
    {
        if (_session.IsDisposed)
            throw _session.Disposed();
        if (!images.HasAny(count))
            return;
        try
        {
            _extractor.Run(count, images.Inputs(count), _views, cancellation);
        }
        catch (ObjectDisposedException) when (_session.IsDisposed)
        {
            throw _session.Disposed();
        }
    }
}
