using System.Globalization;
using System.Net;

namespace Backbones.Weights.Hub;

/// <summary>What a hub's headers say about a file: <c>X-Repo-Commit</c>, and <c>X-Linked-Etag</c> and <c>X-Linked-Size</c> or, for small files, the usual ones.
/// Large files are redirected to another host; then the redirection says it.</summary>
internal sealed class HubMetadata
{
    /// <summary>The commit that the revision is.</summary>
    public string? Commit { get; private set; }

    /// <summary>The name of the file's content: its hash, without quotes.</summary>
    public string? Etag { get; private set; }

    /// <summary>Bytes of the file.</summary>
    public long? Size { get; private set; }

    /// <summary>Whether a file can be downloaded and checked with it.</summary>
    public bool IsEnough => Commit is not null && Etag is not null && (Size is not null || ContentHash.OfEtag(Etag) is not null);

    /// <summary>Takes what one answer in a chain of redirections says; what was said before counts.</summary>
    /// <param name="answer">The headers.</param>
    /// <param name="leadsAway">Whether it redirects to another host.</param>
    public void Add(HttpResponseMessage answer, bool leadsAway)
    {
        bool isFile = answer.IsSuccessStatusCode;
        Commit ??= Header(answer, "X-Repo-Commit");
        Etag ??= Normalize(Header(answer, "X-Linked-Etag") ?? (isFile || leadsAway ? Header(answer, "ETag") : null));
        bool isEncoded = answer.Content.Headers.ContentEncoding.Any(e => e != "identity");
        Size ??= long.TryParse(Header(answer, "X-Linked-Size"), NumberStyles.None, CultureInfo.InvariantCulture, out long size) ? size
            : answer.StatusCode == HttpStatusCode.OK && !isEncoded ? answer.Content.Headers.ContentLength : null;
    }

    /// <summary>An etag without the mark of a weak one and without quotes.</summary>
    private static string? Normalize(string? etag) => etag is ['W', '/', ..] ? etag[2..].Trim('"') : etag?.Trim('"');

    private static string? Header(HttpResponseMessage answer, string name)
        => answer.Headers.TryGetValues(name, out IEnumerable<string>? values) ? values.FirstOrDefault(v => v.Length > 0) : null;
}
