using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Trainers;

namespace Microsoft.ML;

/// <summary>The k-means trainer.</summary>
public static class KMeansClusteringExtensions
{
    /// <summary>A clustering by k-means.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="featureColumnName">The feature column, a vector of Single of known size.</param>
    /// <param name="exampleWeightColumnName">The weight column, a Single; null for equal weights.</param>
    /// <param name="numberOfClusters">The number of clusters.</param>
    public static KMeansTrainer KMeans(this ClusteringCatalog.ClusteringTrainers catalog,
        string featureColumnName = DefaultColumnNames.Features,
        string exampleWeightColumnName = null,
        int numberOfClusters = KMeansTrainer.Defaults.NumberOfClusters)
        => catalog.KMeans(new KMeansTrainer.Options
        {
            FeatureColumnName = featureColumnName,
            ExampleWeightColumnName = exampleWeightColumnName,
            NumberOfClusters = numberOfClusters,
        });

    /// <summary>A clustering by k-means.</summary>
    public static KMeansTrainer KMeans(this ClusteringCatalog.ClusteringTrainers catalog, KMeansTrainer.Options options)
    {
        Contracts.CheckValue(options, nameof(options));
        return new KMeansTrainer(catalog.GetEnvironment(), options);
    }
}
