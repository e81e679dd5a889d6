using System.Collections.Immutable;
using Backbones.Engines;
using Backbones.Weights;
using Microsoft.ML.Data;
using Microsoft.ML.TimmFeatures.Cursors;

namespace Microsoft.ML.TimmFeatures.Detection.Models;

/// <summary>A column of results: what its name ends in, its type, its annotations.</summary>
/// <param name="Suffix">Added to the output's name; empty for the main column.</param>
/// <param name="Type">The type, with sizes that differ from row to row as 0.</param>
/// <param name="Annotations">Kinds and values as <see cref="FeatureColumn.ToAnnotations"/> takes them.</param>
internal sealed record ResultColumn(string Suffix, VectorDataViewType Type, ImmutableArray<(string Kind, object Value)> Annotations)
{
    /// <summary>ML.NET's kind of annotation for the names of a key's values.</summary>
    private const string KeyValues = "KeyValues";

    /// <summary>Numbers.</summary>
    public static ResultColumn Of(string suffix, PrimitiveDataViewType item, string model, params int[] dimensions) => new(suffix, dimensions.Length > 0 ? new VectorDataViewType(item, dimensions) : new VectorDataViewType(item), [(FeatureAnnotations.ModelName, model)]);

    /// <summary>Keys of classes, with their names where they are known.</summary>
    /// <param name="suffix">Added to the output's name.</param>
    /// <param name="count">Number of classes.</param>
    /// <param name="names">Their names; empty where they are not known.</param>
    /// <param name="model">The model's name.</param>
    /// <param name="dimensions">Of the vector.</param>
    public static ResultColumn OfKeys(string suffix, int count, ImmutableArray<string> names, string model, params int[] dimensions)
    {
        ResultColumn column = Of(suffix, new KeyDataViewType(typeof(uint), count), model, dimensions);
        return names.Length == count ? column with { Annotations = column.Annotations.Add((KeyValues, names)) } : column;
    }

    /// <summary>As schemas have it.</summary>
    public OutputColumn ToColumn() => new(Type, FeatureColumn.ToAnnotations(Annotations));

    /// <summary>Adds the column to a promised schema.</summary>
    public SchemaShape AddTo(SchemaShape shape, TransformsCatalog catalog, string name) => Type.ItemType.RawType == typeof(float) ? FeatureColumn.AddTo<float>(shape, catalog, name, Type, Annotations)
        : Type.ItemType.RawType == typeof(uint) ? FeatureColumn.AddTo<uint>(shape, catalog, name, Type, Annotations)
        : Type.ItemType.RawType == typeof(int) ? FeatureColumn.AddTo<int>(shape, catalog, name, Type, Annotations)
        : FeatureColumn.AddTo<byte>(shape, catalog, name, Type, Annotations);
}

/// <summary>What is to be found in pictures. A value: it is saved with the model.</summary>
internal abstract record ImageTask
{
    /// <summary>The name of torchvision's model with its tag, for which nothing is opened.</summary>
    /// <exception cref="Backbones.Registry.UnknownModelException">There is no such model.</exception>
    public abstract string FullName(FeaturizerOptions options);

    /// <summary>The columns as far as they are known without weights: their number of classes may be another.</summary>
    public abstract ImmutableArray<ResultColumn> Promise(FeaturizerOptions options);

    /// <summary>The file of a model's weights, which is downloaded if need be, null for random ones; and the task with what the file says of it.</summary>
    public abstract (ImageTask Task, string? File) Locate(FeaturizerOptions options, FeaturizerHost host);

    /// <summary>Opens the model.</summary>
    /// <param name="options">Its name and settings.</param>
    /// <param name="weights">Its weights, which the model disposes; null for random ones.</param>
    /// <param name="engine">What runs it.</param>
    public abstract ImageModel Open(FeaturizerOptions options, ParameterStore? weights, DeviceEngine engine);
}
