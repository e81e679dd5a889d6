using System.Net;
using System.Net.Http.Headers;

namespace Backbones.Weights.Hub;

/// <summary>One request at a time: timeouts, redirections, and who gets the token. Errors say which host and why.</summary>
internal sealed class HubHttp : IDisposable
{
    private const int MaxRedirections = 10;

    private readonly HubOptions _options;
    private readonly HttpClient _client;
    private bool _wasAnswered;

    public HubHttp(HubOptions options)
    {
        _options = options;
        // A proxy is what HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY say, or the system's: the handler's default.
        SocketsHttpHandler handler = new()
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            UseCookies = false,
            ConnectTimeout = options.AnswerTimeout,
        };
        _client = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        _client.DefaultRequestHeaders.UserAgent.ParseAdd($"timm-features/{typeof(HubHttp).Assembly.GetName().Version?.ToString(3)} dotnet/{Environment.Version.ToString(2)}");
    }

    /// <summary>Asks for a file and follows redirections.</summary>
    /// <param name="method">HEAD or GET.</param>
    /// <param name="address">The file.</param>
    /// <param name="from">The first byte that is wanted.</param>
    /// <param name="metadata">Gets what the answers say; HEAD stops where all is known.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The last answer, of any status but a redirection that was followed; its content is not read yet.</returns>
    /// <exception cref="DownloadException">No answer, or redirections that lead nowhere.</exception>
    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, Uri address, long from, HubMetadata metadata, CancellationToken cancellation)
    {
        Uri current = address;
        for (int redirections = 0; ; redirections++)
        {
            HttpResponseMessage answer = await SendOnceAsync(method, current, from, cancellation).ConfigureAwait(false);
            Uri? next = TargetOf(answer, current);
            bool leadsAway = next is not null && !IsSameOrigin(current, next);
            metadata.Add(answer, leadsAway);
            if (next is null || (method == HttpMethod.Head && leadsAway && metadata.IsEnough))
            {
                return answer;
            }
            answer.Dispose();
            if (redirections == MaxRedirections)
            {
                throw new DownloadException(DownloadFailure.Server, $"{Show(address)} leads to more than {MaxRedirections} other addresses, in a circle perhaps; the last is {Show(next)}.");
            }
            if (next.Scheme != Uri.UriSchemeHttps && (next.Scheme != Uri.UriSchemeHttp || current.Scheme == Uri.UriSchemeHttps))
            {
                throw new DownloadException(DownloadFailure.Server, $"{Show(current)} leads to {Show(next)}, which is not encrypted: refused.");
            }
            current = next;
        }
    }

    /// <summary>An address without what may be secret in it: user, query.</summary>
    public static string Show(Uri address) => address.GetComponents(UriComponents.Scheme | UriComponents.Host | UriComponents.Port | UriComponents.Path, UriFormat.UriEscaped);

    /// <summary>The server of an address.</summary>
    public static string ShowServer(Uri address) => address.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped);

    public void Dispose() => _client.Dispose();

    private static Uri? TargetOf(HttpResponseMessage answer, Uri current)
        => answer.StatusCode is HttpStatusCode.MovedPermanently or HttpStatusCode.Found or HttpStatusCode.SeeOther or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect
            && answer.Headers.Location is { } location && Uri.TryCreate(current, location, out Uri? target) ? target : null;

    private static bool IsSameOrigin(Uri a, Uri b) => a.Scheme == b.Scheme && a.Port == b.Port && a.Host.Equals(b.Host, StringComparison.OrdinalIgnoreCase);

    private async Task<HttpResponseMessage> SendOnceAsync(HttpMethod method, Uri address, long from, CancellationToken cancellation)
    {
        using HttpRequestMessage request = new(method, address);
        request.Headers.AcceptEncoding.ParseAdd("identity");
        if (from > 0)
        {
            request.Headers.Range = new RangeHeaderValue(from, null);
        }
        if (_options.Token is { } token && IsSameOrigin(address, _options.Endpoint))
        {
            request.Headers.Authorization = HeaderOf(token);
        }
        // The connection has its own timeout, of the same length.
        using CancellationTokenSource timer = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timer.CancelAfter(2 * _options.AnswerTimeout);
        try
        {
            HttpResponseMessage answer = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, timer.Token).ConfigureAwait(false);
            _wasAnswered = true;
            return answer;
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw timer.IsCancellationRequested
                ? new DownloadException(DownloadFailure.Unreachable, $"{ShowServer(address)} did not answer in time.", e) { IsTransient = true }
                : new DownloadException(DownloadFailure.Unreachable, $"{ShowServer(address)} cannot be reached: no connection within {_options.AnswerTimeout.TotalSeconds:0.#} s.", e) { IsTransient = _wasAnswered };
        }
        catch (HttpRequestException e)
        {
            throw Unreachable(address, e);
        }
    }

    /// <summary>A token cannot be everything: an error must not show it, as that of the header would.</summary>
    private static AuthenticationHeaderValue HeaderOf(string token) => token.All(c => c is > ' ' and <= '~')
        ? new AuthenticationHeaderValue("Bearer", token)
        : throw new DownloadException(DownloadFailure.Denied, "The token of the Hugging Face Hub (HF_TOKEN, or the file HF_TOKEN_PATH) has spaces or letters that no token has.");

    /// <summary>A host that was never reached will not be a second later; one that was may be.</summary>
    private DownloadException Unreachable(Uri address, HttpRequestException e)
    {
        bool isLasting = e.HttpRequestError is HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError;
        bool isConnection = isLasting || e.HttpRequestError is HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError;
        string reason = e.HttpRequestError switch
        {
            HttpRequestError.NameResolutionError => $"no host '{address.Host}' is known, or there is no network ({e.Message})",
            HttpRequestError.SecureConnectionError => $"no secure connection ({e.InnerException?.Message ?? e.Message})",
            _ => e.InnerException is { } inner and not IOException ? inner.Message : e.Message,
        };
        return new DownloadException(DownloadFailure.Unreachable, $"{ShowServer(address)} cannot be reached: {reason.TrimEnd('.')}.", e)
        {
            IsTransient = !isLasting && (!isConnection || _wasAnswered),
        };
    }
}
