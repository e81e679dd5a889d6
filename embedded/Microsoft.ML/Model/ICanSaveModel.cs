namespace Microsoft.ML;

/// <summary>Something that can be part of a saved model. Implement it explicitly.</summary>
public interface ICanSaveModel
{
    /// <summary>Saves into the entry that is open in <paramref name="ctx"/>.</summary>
    void Save(ModelSaveContext ctx);
}
