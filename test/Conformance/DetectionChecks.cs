using System.Text.Json;
using Backbones.Detection;

namespace Backbones.Conformance;

/// <summary>Compares what a case of detection came to, and remembers how far it was off.</summary>
internal sealed class DetectionChecks
{
    /// <summary>Relative error of a sample: PyTorch's own float32 noise is up to 1e-5 in these models.</summary>
    private const double SampleTolerance = 1e-4;

    private readonly List<string> _done = [];

    public List<string> Failures { get; } = [];

    public string Summary => string.Join(", ", _done);

    public void Fail(string what, string why) => Failures.Add($"{what}: {why}");

    public void Note(string text) => _done.Add(text);

    public void Equal<T>(string what, T expected, T actual)
    {
        if (!EqualityComparer<T>.Default.Equals(expected, actual))
            Fail(what, $"expected {expected}, got {actual}");
    }

    public void EqualAll<T>(string what, IReadOnlyList<T> expected, IReadOnlyList<T> actual)
    {
        int at = Enumerable.Range(0, Math.Max(expected.Count, actual.Count)).FirstOrDefault(i => i >= expected.Count || i >= actual.Count || !EqualityComparer<T>.Default.Equals(expected[i], actual[i]), -1);
        if (at >= 0)
            Fail(what, $"number {at} is {(at < actual.Count ? actual[at] : "missing")}, expected {(at < expected.Count ? expected[at] : "none")} ({expected.Count} expected, {actual.Count} there)");
    }

    /// <summary>Numbers within an absolute tolerance and a relative one; NaN only where it is expected.</summary>
    public void Close(string what, IReadOnlyList<float> expected, IReadOnlyList<float> actual, double absolute, double relative = 0)
    {
        if (expected.Count != actual.Count)
        {
            Fail(what, $"{expected.Count} numbers expected, {actual.Count} there");
            return;
        }
        double worst = 0;
        for (int i = 0; i < expected.Count; i++)
        {
            if (expected[i].Equals(actual[i]))
                continue;
            double difference = Math.Abs((double)expected[i] - actual[i]);
            worst = Math.Max(worst, difference);
            if (!(difference <= absolute + relative * Math.Abs(expected[i])))
            {
                Fail(what, $"number {i} is {actual[i]}, expected {expected[i]}");
                return;
            }
        }
        _done.Add($"{what} {worst:0.0e-0}");
    }

    /// <summary>A tensor of that shape against a sample.</summary>
    public void Close(string what, JsonElement sample, IReadOnlyList<int> shape, ReadOnlySpan<float> values, double tolerance = SampleTolerance)
    {
        int[] expected = Ints(sample.GetProperty("shape"));
        if (!expected.SequenceEqual(shape))
        {
            Fail(what, $"shape expected [{string.Join(", ", expected)}], got [{string.Join(", ", shape)}]");
            return;
        }
        if (values.IsEmpty)
            return;
        double error = Sample.Error(sample, values, isWholeInOrder: true);
        if (!(error <= tolerance))
            Fail(what, $"relative error {error:0.0e-0} > {tolerance:0.0e-0}");
        else
            _done.Add($"{what} {error:0.0e-0}");
    }

    public static int[] Ints(JsonElement list) => [.. list.EnumerateArray().Select(e => e.GetInt32())];

    public static float[] Floats(JsonElement list) => [.. list.EnumerateArray().Select(Float)];

    /// <summary>A number, which may be written as text where JSON has none.</summary>
    public static float Float(JsonElement number) => number.ValueKind == JsonValueKind.Number ? (float)number.GetDouble() : number.GetString() switch
    {
        "nan" => float.NaN,
        "inf" => float.PositiveInfinity,
        "-inf" => float.NegativeInfinity,
        string other => throw new InvalidDataException($"'{other}' is no number."),
        null => float.NaN,
    };

    public static Box[] BoxesOf(JsonElement list) => [.. list.EnumerateArray().Select(b => Floats(b)).Select(b => new Box(b[0], b[1], b[2], b[3]))];

    public static float[] Flat(IEnumerable<Box> boxes) => [.. boxes.SelectMany(b => new[] { b.X1, b.Y1, b.X2, b.Y2 })];
}
