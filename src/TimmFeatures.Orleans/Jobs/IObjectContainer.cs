namespace TimmFeatures.Orleans.Jobs;

/// <summary>Named objects, each of which is there as a whole or not at all: what Azure's containers and S3's buckets have in common. Calls block, try again a few times, and may come from several threads.</summary>
/// <remarks>What fails is an <see cref="IOException"/> or, where it is refused, an <see cref="UnauthorizedAccessException"/>, in one line without credentials.</remarks>
internal interface IObjectContainer : IDisposable
{
    /// <summary>An object's address, for people.</summary>
    string AddressOf(string name);

    /// <summary>An object; null where there is none.</summary>
    byte[]? Read(string name);

    /// <summary>A piece of an object.</summary>
    /// <exception cref="EndOfStreamException">The object is shorter.</exception>
    byte[] Read(string name, long from, int count);

    /// <summary>Whether there is such an object.</summary>
    bool Exists(string name);

    /// <summary>Writes an object, in place of what had its name.</summary>
    void Write(string name, byte[] content);

    /// <summary>Writes an object where there is none.</summary>
    /// <returns>Whether there was none. One that is written and not heard of is told of as there.</returns>
    bool Create(string name, byte[] content);

    /// <summary>Writes a file of any size as an object, in place of what had its name.</summary>
    void Upload(string name, string file, CancellationToken cancellation);

    /// <summary>Writes an object to a file.</summary>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    void Download(string name, string file, CancellationToken cancellation);

    /// <summary>Names that begin so.</summary>
    IEnumerable<string> List(string prefix);

    /// <summary>Deletes an object, if there is one.</summary>
    void Delete(string name);
}
