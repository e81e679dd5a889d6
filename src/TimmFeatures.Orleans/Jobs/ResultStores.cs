namespace TimmFeatures.Orleans.Jobs;

/// <summary>The store of an output: a path is a file in a shared folder, and what begins with a scheme is an object.</summary>
internal static class ResultStores
{
    /// <summary>An output as it is kept with the job: a full path, or an address as it is.</summary>
    /// <exception cref="FormatException">It begins like an address and lacks a slash of it: a folder <c>s3:</c> is not what is meant. It is not repeated, as it may have credentials in it.</exception>
    public static string FullName(string output, IReadOnlyCollection<ObjectStorage> storages)
    {
        if (ObjectAddress.SchemeOf(output) is not null)
            return output;
        foreach (ObjectStorage storage in storages)
        {
            if (storage.Schemes.FirstOrDefault(s => output.StartsWith($"{s}:", StringComparison.OrdinalIgnoreCase)) is { } scheme)
                throw new FormatException($"An output that begins with '{scheme}:' is the address of an object, which has two slashes behind that; expected {storage.Form}.");
        }
        return Path.GetFullPath(output);
    }

    /// <summary>Opens the store of a job's file.</summary>
    /// <param name="output">The file to make.</param>
    /// <param name="job">The job's name; null for whoever has to find out which one is there.</param>
    /// <param name="storages">Kinds of storages that this program has.</param>
    /// <exception cref="FormatException">The address is none; the message has the forms there are, and no credentials.</exception>
    public static IResultStore Open(string output, string? job, IReadOnlyCollection<ObjectStorage> storages)
    {
        if (ObjectAddress.SchemeOf(output) is not { } scheme)
            return new SharedFolderStore(output);
        if (storages.FirstOrDefault(s => s.Schemes.Contains(scheme)) is { } storage)
            return new ObjectStore(storage.Open(output, out string name), name, job);
        string forms = storages.Count == 0
            ? ". Storages are packages of their own (TimmFeatures.Orleans.AzureBlobs, TimmFeatures.Orleans.S3), to be given by WorkerOptions.Storages"
            : $" or {string.Join(", ", storages.Select(s => s.Form))}";
        throw new FormatException($"'{ObjectAddress.Said(output)}' is nothing that a job can be written to here; expected a file in a folder that all workers see{forms}.");
    }
}
