using Microsoft.ML.Data;

namespace Microsoft.ML.Tests;

/// <summary>Which of the two package stacks the tests run on.</summary>
internal static class PackageStack
{
    /// <summary>Whether this is the embedded subset: one assembly there, where the real package puts images into another.</summary>
    public static bool IsEmbedded { get; } = typeof(MLImage).Assembly.GetName().Name == "Microsoft.ML.Core";

    /// <summary>Skips a test that holds for the embedded subset alone.</summary>
    /// <param name="reason">What the real package does instead.</param>
    public static void RequireEmbedded(string reason)
    {
        if (!IsEmbedded)
        {
            Assert.Inconclusive($"Not on the real package: {reason}");
        }
    }
}
