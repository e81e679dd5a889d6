using System.Diagnostics;

namespace Bench;

/// <summary>What all measurements of plans have in common.</summary>
internal static class Timing
{
    private static readonly TimeSpan s_warmUp = TimeSpan.FromMilliseconds(500);

    /// <summary>Runs for half a second: .NET compiles methods anew, optimised, a tenth of a second after they have been called thirty times.</summary>
    public static void WarmUp(Action run)
    {
        for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < s_warmUp;)
            run();
    }

    /// <summary>The middle one, the larger of two.</summary>
    public static double Median(IEnumerable<double> values) => values.Order().ElementAt(values.Count() / 2);
}
