using System.Security.Cryptography;

namespace Backbones.Weights.Hub;

/// <summary>
/// The Hub's cache, in the layout of huggingface_hub: <c>models--org--name</c> with <c>refs</c> (branches and tags, each a file with the commit's hash),
/// <c>snapshots/COMMIT</c> (files by name, links to blobs), <c>blobs</c> (contents by etag) and <c>.no_exist/COMMIT</c> (what the repository lacks).
/// </summary>
/// <remarks>Source: huggingface_hub, "Manage your cache".</remarks>
internal sealed class HubCache(string root)
{
    /// <summary>The folder of a repository's files at a revision; null where nothing of it was downloaded.</summary>
    /// <param name="repository"><c>organization/model</c>.</param>
    /// <param name="revision">A branch, a tag or a commit.</param>
    public string? FindSnapshot(string repository, string revision)
        => CommitOf(repository, revision) is { } commit && Path.Combine(FolderOf(repository), "snapshots", commit) is var snapshot && Directory.Exists(snapshot) ? snapshot : null;

    /// <summary>A file at a revision; null where it was not downloaded.</summary>
    public string? Find(string repository, string revision, string file)
        => FindSnapshot(repository, revision) is { } snapshot && Below(snapshot, file) is var path && File.Exists(path) ? path : null;

    /// <summary>Whether the repository is known to lack a file.</summary>
    public bool IsMissing(string repository, string revision, string file)
        => CommitOf(repository, revision) is { } commit && File.Exists(Below(Path.Combine(FolderOf(repository), ".no_exist", commit), file));

    /// <summary>Where a file of a commit belongs.</summary>
    public string SnapshotFile(string repository, string commit, string file) => Below(Path.Combine(FolderOf(repository), "snapshots", commit), file);

    /// <summary>Where a content belongs.</summary>
    public string Blob(string repository, string etag) => Path.Combine(FolderOf(repository), "blobs", etag);

    /// <summary>Who holds this file downloads that content.</summary>
    public string LockFile(string repository, string etag) => Path.Combine(root, ".locks", FolderName(repository), etag + ".lock");

    /// <summary>Notes which commit a branch or tag is.</summary>
    public void SetRevision(string repository, string revision, string commit)
    {
        string file = Below(Path.Combine(FolderOf(repository), "refs"), revision);
        if (revision != commit && !(File.Exists(file) && File.ReadAllText(file) == commit))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            string temporary = TemporaryName(file);
            File.WriteAllText(temporary, commit);
            File.Move(temporary, file, overwrite: true);
        }
    }

    /// <summary>Notes that a commit lacks a file.</summary>
    public void SetMissing(string repository, string commit, string file)
    {
        string mark = Below(Path.Combine(FolderOf(repository), ".no_exist", commit), file);
        Directory.CreateDirectory(Path.GetDirectoryName(mark)!);
        File.WriteAllBytes(mark, []);
    }

    /// <summary>Puts a content into a snapshot: a relative link where links can be made, otherwise the file itself.</summary>
    /// <param name="repository">The repository.</param>
    /// <param name="commit">The commit.</param>
    /// <param name="file">The file's name.</param>
    /// <param name="etag">The content, which is among the blobs.</param>
    /// <param name="isNew">Whether no other snapshot has it: without links it is moved then, and copied otherwise.</param>
    /// <param name="useLinks">Whether links are wanted.</param>
    public string AddToSnapshot(string repository, string commit, string file, string etag, bool isNew, bool useLinks)
    {
        string path = SnapshotFile(repository, commit, file), blob = Blob(repository, etag);
        string folder = Path.GetDirectoryName(path)!;
        Directory.CreateDirectory(folder);
        if (useLinks && TryLink(path, Path.GetRelativePath(folder, blob)))
        {
            return path;
        }
        if (isNew)
        {
            File.Move(blob, path, overwrite: true);
            return path;
        }
        string temporary = TemporaryName(path);
        File.Copy(blob, temporary);
        File.Move(temporary, path, overwrite: true);
        return path;
    }

    private static bool TryLink(string path, string target)
    {
        try
        {
            File.Delete(path); // a link that leads nowhere
            File.CreateSymbolicLink(path, target);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or PlatformNotSupportedException)
        {
            return File.Exists(path); // somebody else has made it, or links are not allowed here
        }
    }

    /// <summary>Branches and tags are files with the commit's hash. They come from outside: what leads elsewhere is none.</summary>
    private string? CommitOf(string repository, string revision)
    {
        if (!HubNames.IsRelativePath(revision))
        {
            return null;
        }
        string file = Below(Path.Combine(FolderOf(repository), "refs"), revision);
        string commit = File.Exists(file) ? File.ReadAllText(file).Trim() : revision;
        return HubNames.IsPlain(commit) ? commit : null;
    }

    private string FolderOf(string repository) => Path.Combine(root, FolderName(repository));

    private static string FolderName(string repository) => "models--" + repository.Replace("/", "--", StringComparison.Ordinal);

    private static string Below(string folder, string path) => Path.Combine([folder, .. path.Split('/')]);

    private static string TemporaryName(string file) => $"{file}.{RandomNumberGenerator.GetHexString(8, lowercase: true)}.tmp";
}
