namespace Microsoft.ML.TimmFeatures.Interactive.Notebooks;

/// <summary>What a notebook shows as HTML. Its text is <c>ToString</c>.</summary>
internal interface INotebookOutput
{
    string ToHtml();
}
