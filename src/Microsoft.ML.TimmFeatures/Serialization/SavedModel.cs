using Microsoft.ML.Runtime;

namespace Microsoft.ML.TimmFeatures.Serialization;

/// <summary>What loading a transformer has in common, whatever it is.</summary>
internal static class SavedModel
{
    /// <summary>What a loadable class's <c>Create</c> does.</summary>
    /// <param name="env">ML.NET's host.</param>
    /// <param name="context">ML.NET's loading context.</param>
    /// <param name="read">Reads the content.</param>
    public static T Load<T>(IHostEnvironment env, object context, Func<BinaryReader, FeaturizerHost, T> read)
    {
        var host = new FeaturizerHost(env);
        host.WarnOfMissing();
        try
        {
            return read(ModelInternals.BeginLoad(context), host);
        }
        catch (Exception e)
        {
            // ML.NET calls this by reflection, and its callers see no more than that something was thrown.
            FeaturizerErrors.Mark(e);
            host.Error(e.Message);
            throw;
        }
    }

    /// <summary>Whatever goes wrong with the content means that it is damaged: nothing else comes of it.</summary>
    /// <exception cref="FormatException">Something went wrong.</exception>
    public static T Sound<T>(string what, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e)
        {
            throw new FormatException($"This {what} is damaged: {e.Message}", e);
        }
    }
}
