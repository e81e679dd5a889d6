using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>Training and evaluation of clusterings.</summary>
public sealed partial class ClusteringCatalog : TrainCatalogBase
{
    internal ClusteringCatalog(IHostEnvironment env) : base(env) => Trainers = new(this);

    /// <summary>The trainers.</summary>
    public ClusteringTrainers Trainers { get; }

    /// <summary>Trainers of clusterings, added by extension methods.</summary>
    public sealed class ClusteringTrainers : CatalogInstantiatorBase
    {
        internal ClusteringTrainers(ClusteringCatalog catalog) : base(catalog)
        {
        }
    }
}
