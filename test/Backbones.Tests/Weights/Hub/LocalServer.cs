using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Backbones.Tests.Weights.Hub;

/// <summary>A request that a <see cref="LocalServer"/> got.</summary>
internal sealed record Request(string Method, string Path, IReadOnlyDictionary<string, string> Headers)
{
    /// <summary>The first byte that is wanted.</summary>
    public int From => Headers.TryGetValue("Range", out string? range) ? int.Parse(range["bytes=".Length..^1], CultureInfo.InvariantCulture) : 0;

    public override string ToString() => $"{Method} {Path}{(From > 0 ? $" from {From}" : "")}";
}

/// <summary>An answer, right or wrong.</summary>
internal sealed record Answer(int Status, byte[] Body, params (string Name, string Value)[] Headers)
{
    /// <summary>What Content-Length says; null for the truth, negative for no such header.</summary>
    public long? Length { get; init; }

    /// <summary>Bytes of the body after which the connection is closed.</summary>
    public int? CutAfter { get; init; }

    /// <summary>Bytes of the body after which nothing comes any more, with the connection open.</summary>
    public int? StallAfter { get; init; }

    /// <summary>Whether nothing is answered at all.</summary>
    public bool IsSilent { get; init; }

    public static Answer Text(int status, string text, params (string, string)[] headers) => new(status, Encoding.UTF8.GetBytes(text), headers);

    /// <summary>A file, or the part of it that was asked for.</summary>
    public static Answer Part(Request request, byte[] file, params (string, string)[] headers) => request.From switch
    {
        0 => new Answer(200, file, headers),
        int from when from >= file.Length => new Answer(416, [], ("Content-Range", $"bytes */{file.Length}")),
        int from => new Answer(206, file[from..], [.. headers, ("Content-Range", $"bytes {from}-{file.Length - 1}/{file.Length}")]),
    };
}

/// <summary>An HTTP server of one test, on the loopback, that answers just what it is told to, byte by byte: no library's server misbehaves so badly.</summary>
internal sealed class LocalServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly Func<Request, Answer> _answer;
    private readonly List<Request> _requests = [];

    public LocalServer(Func<Request, Answer> answer)
    {
        _answer = answer;
        _listener.Start();
        Address = new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");
        _ = Task.Run(AcceptAsync);
    }

    public Uri Address { get; }

    public Request[] Requests
    {
        get
        {
            lock (_requests)
                return [.. _requests];
        }
    }

    public void Dispose()
    {
        _end.Cancel();
        _listener.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                TcpClient client = await _listener.AcceptTcpClientAsync(_end.Token);
                _ = Task.Run(() => ServeAsync(client));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
        {
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        try
        {
            using (client)
            {
                NetworkStream stream = client.GetStream();
                if (await ReadAsync(stream) is not { } request)
                    return;
                lock (_requests)
                    _requests.Add(request);
                Answer answer = _answer(request);
                if (answer.IsSilent)
                    await Task.Delay(Timeout.Infinite, _end.Token);
                StringBuilder head = new();
                head.Append(CultureInfo.InvariantCulture, $"HTTP/1.1 {answer.Status} -\r\nConnection: close\r\n");
                if (answer.Length is not < 0)
                    head.Append(CultureInfo.InvariantCulture, $"Content-Length: {answer.Length ?? answer.Body.Length}\r\n");
                foreach ((string name, string value) in answer.Headers)
                    head.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
                await stream.WriteAsync(Encoding.ASCII.GetBytes(head.Append("\r\n").ToString()), _end.Token);
                if (request.Method == "HEAD")
                    return;
                int sent = Math.Min(answer.CutAfter ?? answer.StallAfter ?? answer.Body.Length, answer.Body.Length);
                await stream.WriteAsync(answer.Body.AsMemory(0, sent), _end.Token);
                if (answer.StallAfter is not null)
                    await Task.Delay(Timeout.Infinite, _end.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or SocketException)
        {
            // The client has gone, or the test is over.
        }
    }

    private async Task<Request?> ReadAsync(NetworkStream stream)
    {
        StringBuilder text = new();
        byte[] one = new byte[1];
        while (!text.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            if (await stream.ReadAsync(one, _end.Token) == 0)
                return null;
            text.Append((char)one[0]);
        }
        string[] lines = text.ToString().Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        string[] first = lines[0].Split(' ');
        Dictionary<string, string> headers = new(StringComparer.OrdinalIgnoreCase);
        foreach (string line in lines[1..])
            headers[line[..line.IndexOf(':')]] = line[(line.IndexOf(':') + 1)..].Trim();
        return new Request(first[0], first[1], headers);
    }
}
