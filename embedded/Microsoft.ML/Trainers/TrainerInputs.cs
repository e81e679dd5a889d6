using Microsoft.ML.Data;

namespace Microsoft.ML.Trainers;

/// <summary>The columns that every trainer reads.</summary>
public abstract class TrainerInputBase
{
    private protected TrainerInputBase()
    {
    }

    /// <summary>The features: a vector of Single of known size.</summary>
    public string FeatureColumnName = DefaultColumnNames.Features;
}

/// <summary>The columns of a trainer that learns labels.</summary>
public abstract class TrainerInputBaseWithLabel : TrainerInputBase
{
    private protected TrainerInputBaseWithLabel()
    {
    }

    /// <summary>The labels.</summary>
    public string LabelColumnName = DefaultColumnNames.Label;
}

/// <summary>The columns of a trainer that learns labels and can weight examples.</summary>
public abstract class TrainerInputBaseWithWeight : TrainerInputBaseWithLabel
{
    private protected TrainerInputBaseWithWeight()
    {
    }

    /// <summary>The weights of the examples, a Single; null for equal weights.</summary>
    public string ExampleWeightColumnName = null;
}

/// <summary>The columns of a trainer that needs no labels and can weight examples.</summary>
public abstract class UnsupervisedTrainerInputBaseWithWeight : TrainerInputBase
{
    private protected UnsupervisedTrainerInputBaseWithWeight()
    {
    }

    /// <summary>The weights of the examples, a Single; null for equal weights.</summary>
    public string ExampleWeightColumnName = null;
}
