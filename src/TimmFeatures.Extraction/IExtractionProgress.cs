namespace TimmFeatures.Extraction;

/// <summary>Is told how far an extraction is, from one thread at a time.</summary>
internal interface IExtractionProgress
{
    /// <summary>It begins.</summary>
    /// <param name="total">All images.</param>
    /// <param name="before">Images that were done before.</param>
    void Begin(int total, int before);

    /// <summary>More images are done.</summary>
    void Add(int images);

    /// <summary>It has ended, well or not.</summary>
    void End();
}
