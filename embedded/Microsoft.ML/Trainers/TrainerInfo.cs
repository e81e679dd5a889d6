namespace Microsoft.ML;

/// <summary>What a trainer would like of its data.</summary>
public sealed class TrainerInfo
{
    internal TrainerInfo(bool normalization = true, bool caching = true)
    {
        NeedNormalization = normalization;
        WantCaching = caching;
    }

    /// <summary>Whether features should be on a common scale.</summary>
    public bool NeedNormalization { get; }

    /// <summary>Whether the data is passed over so often that it should be cached.</summary>
    public bool WantCaching { get; }
}
