namespace Microsoft.ML.Tests;

/// <summary>Sends a transformer through a saved model.</summary>
internal static class Reload
{
    /// <summary>Saves <paramref name="transformer"/> and loads it into a context that knows nothing of it.</summary>
    public static ITransformer Transformer(ITransformer transformer, DataViewSchema inputSchema)
    {
        using var stream = new MemoryStream();
        new MLContext().Model.Save(transformer, inputSchema, stream);
        stream.Position = 0;
        return new MLContext().Model.Load(stream, out _);
    }
}
