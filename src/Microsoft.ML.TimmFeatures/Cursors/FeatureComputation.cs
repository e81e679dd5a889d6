using Backbones;
using Microsoft.ML.Data;
using Microsoft.ML.TimmFeatures.Sessions;

namespace Microsoft.ML.TimmFeatures.Cursors;

/// <summary>Active outputs of a selection: one run of the backbone for each batch.</summary>
internal sealed class FeatureComputation : RowComputation
{
    private readonly Lease<FeaturizerSession> _session;
    private readonly FeatureExtractor _extractor;
    private readonly FeaturizerOptions _options;
    private readonly float[][] _outputs;
    private readonly Memory<float>[] _views;
    private readonly int[] _lengths;
    private readonly int[] _outputAt;

    /// <param name="session">A share of its own, which keeps the extractor.</param>
    /// <param name="active">Which outputs are active.</param>
    /// <param name="slots">Rows of a batch.</param>
    /// <param name="options">What becomes of rows without an image.</param>
    public FeatureComputation(Lease<FeaturizerSession> session, bool[] active, int slots, FeaturizerOptions options)
    {
        _session = session;
        _extractor = session.Value.For(active);
        _options = options;
        _lengths = [.. _extractor.Outputs.Select(o => (int)o.Shape.Length)];
        _outputs = [.. _lengths.Select(l => GC.AllocateUninitializedArray<float>(checked(slots * l)))];
        _views = new Memory<float>[_outputs.Length];
        _outputAt = new int[active.Length];
        for (int i = 0, next = 0; i < active.Length; i++)
            _outputAt[i] = active[i] ? next++ : -1;
    }

    public override ImageBatch MakeBatch(DataViewRow row, DataViewSchema.Column column, int slots) => new TensorBatch(row, column, slots, _extractor, _options);

    public override void Compute(ImageBatch images, int count, Action<string> warn, CancellationToken cancellation)
    {
        for (int i = 0; i < _views.Length; i++)
            _views[i] = _outputs[i].AsMemory(0, count * _lengths[i]);
        if (images.HasAny(count))
            _extractor.Run(count, ((TensorBatch)images).Inputs(count), _views, cancellation);
        // The share is given back when nobody can reach this any more, which must not be in the middle of a run.
        GC.KeepAlive(this);
        if (_options.OnImageError == ImageErrorMode.Throw)
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

    public override Delegate GetterOf(int output, Func<RowImage> current, Action<string> error) => (ValueGetter<VBuffer<float>>)((ref VBuffer<float> value) =>
    {
        (ImageBatch images, int slot) = current();
        Get(images, output, slot, ref value, error);
    });

    /// <summary>Gives the share of the session back.</summary>
    public override void Dispose() => _session.Dispose();

    /// <summary>Copies one row's values of an output.</summary>
    /// <param name="images">The rows' images.</param>
    /// <param name="output">Which of the selection's outputs.</param>
    /// <param name="slot">The row.</param>
    /// <param name="value">Gets the values.</param>
    /// <param name="error">Gets what is thrown as a sentence at once: what ML.NET makes of the exception may come late and wrapped.</param>
    /// <exception cref="ImageRowException">The row has no image, and that is an error.</exception>
    private void Get(ImageBatch images, int output, int slot, ref VBuffer<float> value, Action<string> error)
    {
        // Thrown here and not when the batch was computed: rows before it are good, and this one may not be wanted.
        if (_options.OnImageError == ImageErrorMode.Throw && images.Problem(slot) is { } problem)
        {
            error(problem.Message);
            throw problem;
        }
        int at = _outputAt[output], length = _lengths[at];
        VBufferEditor<float> editor = VBufferEditor.Create(ref value, length);
        _outputs[at].AsSpan(slot * length, length).CopyTo(editor.Values);
        value = editor.Commit();
    }
}
