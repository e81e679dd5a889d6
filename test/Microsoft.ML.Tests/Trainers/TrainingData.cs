using Microsoft.ML.Data;

namespace Microsoft.ML.Tests.Trainers;

/// <summary>An example with named class, two features and a weight.</summary>
internal sealed class Example
{
    public string Name { get; set; } = "";
    [VectorType(2)]
    public float[] Features { get; set; } = [];
    public float Weight { get; set; } = 1;
}

/// <summary>What a classifier or clusterer says of an example.</summary>
internal sealed class Prediction
{
    public uint PredictedLabel { get; set; }
    public float[] Score { get; set; } = [];
}

/// <summary>Small sets with a known structure.</summary>
internal static class TrainingData
{
    /// <summary>Three round clouds of 40 points, of radius 1 around (0, 0), (10, 0) and (0, 10), named a, b and c, mixed.</summary>
    public static Example[] Clouds()
    {
        var random = new Random(5);
        (string Name, float X, float Y)[] centers = [("a", 0, 0), ("b", 10, 0), ("c", 0, 10)];
        var examples = new Example[120];
        for (int i = 0; i < examples.Length; i++)
        {
            var (name, x, y) = centers[i % 3];
            float angle = (float)(random.NextDouble() * 2 * Math.PI), radius = (float)random.NextDouble();
            examples[i] = new Example { Name = name, Features = [x + radius * MathF.Cos(angle), y + radius * MathF.Sin(angle)] };
        }
        return examples;
    }

    /// <summary>Examples whose classes overlap, so that no boundary separates them.</summary>
    public static Example[] Overlapping(int count)
    {
        var random = new Random(11);
        var examples = new Example[count];
        for (int i = 0; i < count; i++)
        {
            float x = (float)(random.NextDouble() * 4 - 2), y = (float)(random.NextDouble() * 4 - 2);
            double noise = random.NextDouble() * 2 - 1;
            string name = x + noise > 0.5 ? "right" : y - noise > 0.5 ? "up" : "rest";
            examples[i] = new Example { Name = name, Features = [x, y] };
        }
        return examples;
    }
}
