using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>Names of entries, and the temporary files behind open ones.</summary>
internal static class RepositoryPath
{
    /// <summary>The archive's name of an entry: relative, with forward slashes.</summary>
    public static string Of(string directory, string name, IExceptionContext ectx)
    {
        ectx.CheckParam(directory is null || !directory.Contains(".."), nameof(directory));
        ectx.CheckParam(!string.IsNullOrWhiteSpace(name) && !name.Contains(".."), nameof(name));
        string path = string.IsNullOrEmpty(directory) ? name : directory + "/" + name;
        path = path.Replace('\\', '/');
        ectx.CheckParam(!path.StartsWith('/') && !Path.IsPathRooted(path), nameof(directory));
        return path;
    }

    /// <summary>A file that is gone when it is closed.</summary>
    public static FileStream OpenTemporaryFile(IExceptionContext ectx)
    {
        string folder = (ectx as IHostEnvironmentInternal)?.TempFilePath ?? Path.GetTempPath();
        string file = Path.Combine(folder, "ml_dotnet_" + Path.GetRandomFileName());
        return new FileStream(file, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 16, FileOptions.DeleteOnClose);
    }
}
