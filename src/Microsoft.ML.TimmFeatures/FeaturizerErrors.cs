using Backbones.Graphs;
using Backbones.Registry;
using Backbones.Weights;
using Backbones.Weights.Hub;

namespace Microsoft.ML.TimmFeatures;

/// <summary>An image that cannot be featurized. The message says row, column and path, and what is wrong with the image.</summary>
public sealed class ImageRowException : InvalidOperationException
{
    internal ImageRowException(long row, string column, string? path, Exception cause)
        : base($"Row {row}: the image in column '{column}'{(path is null ? "" : $" ('{path}')")} cannot be featurized: {cause.Message}", cause)
    {
        Row = row;
        Column = column;
        Path = path;
        FeaturizerErrors.Mark(this);
    }

    /// <summary>Position of the row, from 0.</summary>
    public long Row { get; }

    /// <summary>The image column.</summary>
    public string Column { get; }

    /// <summary>The image's path as the data has it, or as ML.NET's loader noted it; null where there is none.</summary>
    public string? Path { get; }
}

/// <summary>Finds what went wrong in the exceptions that ML.NET wraps around it.</summary>
public static class FeaturizerErrors
{
    private const string OwnMark = "TimmFeatures";

    /// <summary>
    /// The exception that says what went wrong: a featurizer's own, such as <see cref="ImageRowException"/>, or one about a model's name, weights or download, however deep ML.NET wrapped it and
    /// whatever caused it ("Splitter/consolidator worker encountered exception…", "Event we were waiting on was subject to an exception", "Exception has been thrown by the target of an invocation");
    /// without such a one the innermost.
    /// </summary>
    /// <example><code>catch (Exception e) { Console.Error.WriteLine(FeaturizerErrors.CauseOf(e).Message); }</code></example>
    public static Exception CauseOf(Exception exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        return Find(exception) ?? exception.GetBaseException();
    }

    /// <summary>Makes an exception one that <see cref="CauseOf"/> finds.</summary>
    internal static T Mark<T>(T exception) where T : Exception
    {
        exception.Data[OwnMark] = true;
        return exception;
    }

    private static Exception? Find(Exception exception)
    {
        // What caused one of these, such as a socket's error, says less than it.
        if (exception.Data[OwnMark] is true || exception is UnknownModelException or DownloadException or WeightsFormatException or ParameterMismatchException or GraphException)
            return exception;
        IEnumerable<Exception> inner = exception is AggregateException several ? several.InnerExceptions : exception.InnerException is { } one ? [one] : [];
        return inner.Select(Find).FirstOrDefault(e => e is not null);
    }
}
