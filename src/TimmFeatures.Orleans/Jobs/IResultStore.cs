using TimmFeatures.Extraction;

namespace TimmFeatures.Orleans.Jobs;

/// <summary>Where the parts of a job are put together: a shared folder, or what acts like one. Nothing that others see is ever half written.</summary>
internal interface IResultStore
{
    /// <summary>Makes sure that this machine can read and write it.</summary>
    /// <exception cref="IOException">It is not there.</exception>
    /// <exception cref="UnauthorizedAccessException">It cannot be written.</exception>
    void Check();

    /// <summary>A new folder that only the caller knows, for a part in the making.</summary>
    string Stage();

    /// <summary>Gives up what was staged.</summary>
    void Discard(string staged);

    /// <summary>The report of a part that is there; null where it is not.</summary>
    ExtractionReport? ReadPart(int part);

    /// <summary>Publishes a part, whole. Where one is there already it stays, unless it is to be replaced: parts are equal, whoever made them.</summary>
    void PublishPart(string staged, int part, bool replace);

    /// <summary>Files of all parts, to be joined.</summary>
    IReadOnlyList<string> PartFiles();

    /// <summary>Publishes the joined file in place of what had its name.</summary>
    void PublishMerged(string staged);

    /// <summary>Deletes all but the joined file.</summary>
    void DeleteParts();
}
