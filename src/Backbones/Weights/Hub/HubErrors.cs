
namespace Backbones.Weights.Hub;

/// <summary>What a server's refusal means, and what to do about it.</summary>
internal static class HubErrors
{
    /// <summary>Servers that ask for more patience than this get none.</summary>
    private static readonly TimeSpan MaxPatience = TimeSpan.FromMinutes(1);

    /// <param name="answer">An answer that is no success.</param>
    /// <param name="file">The file, for the message.</param>
    /// <param name="hubPage">The repository's page; null where the server is no hub.</param>
    /// <param name="hasToken">Whether a token was sent.</param>
    /// <param name="now">The time, for dates in answers.</param>
    public static DownloadException Of(HttpResponseMessage answer, string file, string? hubPage, bool hasToken, DateTimeOffset now)
    {
        int status = (int)answer.StatusCode;
        string code = Header(answer, "X-Error-Code"), server = HubHttp.ShowServer(answer.RequestMessage!.RequestUri!);
        bool isHub = hubPage?.StartsWith(server + "/", StringComparison.Ordinal) == true;
        string answers = $"{server} answers {status}{(Header(answer, "X-Error-Message") is { Length: > 0 } text ? $", \"{text}\"" : "")}";
        const string Token = "A token comes from the environment variable HF_TOKEN or from the file that 'hf auth login' writes.";
        switch (code, status)
        {
            case ("GatedRepo", _):
            case ("", 403) when isHub:
                return new DownloadException(DownloadFailure.Denied,
                    $"Access to {file} is gated or denied ({answers}): accept its terms at {hubPage} and use your token; {(hasToken ? "the one that was sent has no access (yet)" : "none was sent")}. {Token}");
            case ("RevisionNotFound", _):
                return new DownloadException(DownloadFailure.NotFound, $"There is no such revision: {file} ({answers}). {hubPage} lists those that there are.");
            case ("EntryNotFound", _):
            case ("", 404) when !isHub || answer.Headers.Contains("X-Repo-Commit"):
                return new DownloadException(DownloadFailure.NotFound, $"There is no file {file} ({answers}).") { IsFileMissing = true };
            case ("RepoNotFound", _):
            case (_, 401 or 404) when isHub:
                return new DownloadException(status == 401 && hasToken ? DownloadFailure.Denied : DownloadFailure.NotFound,
                    $"There is no repository of {file}, or it is private ({answers}). {(hasToken ? "The token that was sent may be wrong or lack access." : "No token was sent.")} {Token}");
            case (_, 408 or 429 or >= 500):
                TimeSpan? wait = answer.Headers.RetryAfter switch
                {
                    { Delta: { } delta } => delta,
                    { Date: { } date } => date > now ? date - now : TimeSpan.Zero,
                    _ => null,
                };
                string asked = wait is null ? "" : $", and asks to wait {wait.Value.TotalSeconds:0} s";
                return new DownloadException(DownloadFailure.Server, $"{file} is not to be had now: {answers}{asked}.") { IsTransient = !(wait > MaxPatience), RetryAfter = wait };
            default:
                return new DownloadException(DownloadFailure.Server, $"{file} cannot be downloaded: {answers}.");
        }
    }

    private static string Header(HttpResponseMessage answer, string name) => answer.Headers.TryGetValues(name, out IEnumerable<string>? values) ? values.First() : "";
}
