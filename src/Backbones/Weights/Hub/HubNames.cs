using System.Buffers;
using System.Text.RegularExpressions;

namespace Backbones.Weights.Hub;

/// <summary>What names may be. They come from users and servers, and become parts of paths and addresses.</summary>
internal static partial class HubNames
{
    private static readonly SearchValues<char> RepositoryCharacters
        = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_");

    /// <summary><c>organization/model</c> or <c>model</c>, as the Hub allows them.</summary>
    public static bool IsRepository(string name)
    {
        string[] parts = name.Split('/');
        return parts.Length <= 2 && name.Length <= 96 && !name.Contains("--", StringComparison.Ordinal) && parts.All(IsRepositoryPart);
    }

    /// <summary>One part of a path that leads nowhere else.</summary>
    public static bool IsPlain(string name)
        => name.Length is > 0 and <= 200 && name is not ("." or "..") && name.AsSpan().IndexOfAny("/\\:*?\"<>|\0") < 0 && !name.Any(char.IsControl);

    /// <summary>A relative path with <c>/</c>: a file of a repository, or a revision such as <c>refs/pr/1</c>.</summary>
    public static bool IsRelativePath(string path) => path.Split('/').All(IsPlain);

    /// <summary>The hash of a commit.</summary>
    public static bool IsCommit(string revision) => CommitPattern().IsMatch(revision);

    private static bool IsRepositoryPart(string text)
        => text.Length > 0 && !text.AsSpan().ContainsAnyExcept(RepositoryCharacters)
            && !text.Contains("..", StringComparison.Ordinal) && text[0] is not ('-' or '.') && text[^1] is not ('-' or '.');

    [GeneratedRegex(@"\A[0-9a-f]{40}\z")]
    private static partial Regex CommitPattern();
}
