using System.Text;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>What a component writes into the header of its entry: the format, its versions, and who can load it.</summary>
internal readonly struct VersionInfo
{
    public readonly ulong ModelSignature;
    public readonly uint VerWrittenCur;
    public readonly uint VerReadableCur;
    public readonly uint VerWeCanReadBack;
    public readonly string LoaderAssemblyName;
    public readonly string LoaderSignature;
    public readonly string LoaderSignatureAlt;

    /// <param name="modelSignature">Eight Latin-1 characters that name the format.</param>
    /// <param name="verWrittenCur">Version of the format that is written.</param>
    /// <param name="verReadableCur">Oldest reader that can read it.</param>
    /// <param name="verWeCanReadBack">Oldest version that this code reads.</param>
    /// <param name="loaderAssemblyName">The assembly that is loaded and registered before the model is.</param>
    /// <param name="loaderSignature">Name of the loadable class, at most 24 characters.</param>
    /// <param name="loaderSignatureAlt">Another name, tried when the first is unknown.</param>
    public VersionInfo(string modelSignature, uint verWrittenCur, uint verReadableCur, uint verWeCanReadBack,
        string loaderAssemblyName, string loaderSignature = null, string loaderSignatureAlt = null)
    {
        Contracts.Check(modelSignature?.Length == 8, "Model signature must be eight characters");
        ModelSignature = ModelHeader.PackAscii(modelSignature.Replace(' ', '\0'), 1)[0];
        VerWrittenCur = verWrittenCur;
        VerReadableCur = verReadableCur;
        VerWeCanReadBack = verWeCanReadBack;
        LoaderAssemblyName = loaderAssemblyName;
        LoaderSignature = loaderSignature;
        LoaderSignatureAlt = loaderSignatureAlt;
    }
}
