using TimmFeatures.Extraction;
using TimmFeatures.Extraction.Images;

namespace TimmFeatures.Orleans.Jobs;

/// <summary>Where a job is written down and its parts are put together: a shared folder, or objects of a storage. Nothing that others see is ever half written.</summary>
/// <remarks>Everything throws <see cref="IOException"/> where it does not answer or lacks what is asked for, and <see cref="UnauthorizedAccessException"/> where it refuses; both say so in one line.</remarks>
internal interface IResultStore : IDisposable
{
    /// <summary>Where all but the joined file is, in words.</summary>
    string Place { get; }

    /// <summary>The joined file's name without folders, which the file of every part has as well.</summary>
    string FileName { get; }

    /// <summary>What is written down of the job whose file this is; null where there is none.</summary>
    /// <exception cref="InvalidDataException">It is none that this tool wrote.</exception>
    JobDescription? ReadJob();

    /// <summary>Whether the joined file, or another of its name, is there.</summary>
    bool HasOutput();

    /// <summary>Writes a job and its pictures down.</summary>
    /// <returns>False where somebody else has since written one down; that one stays.</returns>
    bool BeginJob(JobDescription job, IReadOnlyList<ImageItem> images);

    /// <summary>The pictures of a part.</summary>
    /// <exception cref="InvalidDataException">The list has something else.</exception>
    ManifestPart ReadImages(JobDescription job, Shard part);

    /// <summary>Makes sure that this machine can read and write it.</summary>
    void Check();

    /// <summary>A new folder that only the caller knows, for files in the making.</summary>
    string Stage();

    /// <summary>Gives up what was staged.</summary>
    void Discard(string staged);

    /// <summary>The report of a part that is there; null where it is not.</summary>
    ExtractionReport? ReadPart(int part);

    /// <summary>Publishes a part, whole. Where one is there already it stays, unless it is to be replaced: parts are equal, whoever made them.</summary>
    void PublishPart(string staged, int part, bool replace, CancellationToken cancellation);

    /// <summary>Files of all parts, to be joined; those that have to be fetched come into the staged folder.</summary>
    IReadOnlyList<string> PartFiles(int parts, string staged, CancellationToken cancellation);

    /// <summary>Publishes the joined file in place of what had its name.</summary>
    void PublishMerged(string staged, CancellationToken cancellation);

    /// <summary>Deletes all but the joined file.</summary>
    void DeleteParts();
}
