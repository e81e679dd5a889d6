namespace Backbones.Detection;

/// <summary>Scores of logits.</summary>
internal static class Probabilities
{
    public static float Sigmoid(float logit) => 1 / (1 + MathF.Exp(-logit));

    /// <summary>Softmax of one row.</summary>
    public static void Softmax(ReadOnlySpan<float> logits, Span<float> scores)
    {
        float largest = float.NegativeInfinity, sum = 0;
        foreach (float logit in logits)
            largest = MathF.Max(largest, logit);
        for (int i = 0; i < logits.Length; i++)
            sum += scores[i] = MathF.Exp(logits[i] - largest);
        for (int i = 0; i < logits.Length; i++)
            scores[i] /= sum;
    }
}
