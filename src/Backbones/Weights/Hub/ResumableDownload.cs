using System.IO.Compression;
using System.Net;
using Polly;

namespace Backbones.Weights.Hub;

/// <summary>What is downloaded.</summary>
/// <param name="Name">For messages: <c>timm/resnet50.a1_in1k/model.safetensors</c>.</param>
/// <param name="Address">The file.</param>
/// <param name="HubPage">The repository's page; null where the server is no hub.</param>
/// <param name="Etag">What a hub said that the content is called; null where nobody said it.</param>
/// <param name="Size">Bytes; null where that is not known yet.</param>
/// <param name="Hash">The hash; null where none is known.</param>
/// <param name="License">The license of the weights.</param>
internal sealed record DownloadSource(string Name, Uri Address, string? HubPage, string? Etag, long? Size, ContentHash? Hash, string? License)
{
    public DownloadProgress At(DownloadStage stage, long received, long? total, string? note = null)
        => new(Name, HubHttp.ShowServer(Address), stage, received, total, License, note);
}

/// <summary>Gets one file whole, over as many connections as that takes. It is in its place when size and hash are right, and not before.</summary>
internal sealed class ResumableDownload(HubHttp http, HubOptions options, DownloadSource source, IProgress<DownloadProgress>? progress)
{
    private const int BlockSize = 1 << 16;

    /// <summary>Bytes between two reports; and what a connection has to bring for its failure not to count.</summary>
    private const long Step = 1 << 20;

    private long? _size = source.Size;
    private string? _etag;
    private long _reported = -1, _mostReceived;

    /// <summary>Downloads to a file, whose folder exists.</summary>
    /// <exception cref="DownloadException">The server or the network do not give the file.</exception>
    /// <exception cref="IOException">The disk does not take it; nothing of it is left there.</exception>
    public async Task SaveAsync(string destination, CancellationToken cancellation)
    {
        using PartialFile partial = PartialFile.Open(destination, resumable: source.Hash is not null);
        try
        {
            await ReceiveWholeAsync(partial, cancellation).ConfigureAwait(false);
            partial.MoveTo(destination);
        }
        catch (Exception e) when (Storage.IsStorageError(e))
        {
            partial.Delete();
            throw;
        }
        progress?.Report(source.At(DownloadStage.Completed, new FileInfo(destination).Length, _size, destination));
    }

    private async Task ReceiveWholeAsync(PartialFile partial, CancellationToken cancellation)
    {
        for (bool isSecond = false; ; isSecond = true)
        {
            await ReceiveAsync(partial, cancellation).ConfigureAwait(false);
            string received = source.Hash is null ? "" : partial.HashOf(source.Hash);
            if (source.Hash is null || source.Hash.Is(received))
            {
                return;
            }
            // What a killed process left, or a proxy, may have spoilt it: once from the beginning, no more.
            partial.Clear();
            var damaged = new DownloadException(DownloadFailure.Damaged, $"{source.Name} arrived damaged from {HubHttp.ShowServer(source.Address)}: it should have {source.Hash} and has {received}.");
            if (isSecond)
            {
                throw damaged;
            }
            OnRetry(damaged);
        }
    }

    /// <summary>Tries <see cref="Retries.Max"/> times more after a failure, and again as often after a connection that brought something.</summary>
    private async Task ReceiveAsync(PartialFile partial, CancellationToken cancellation)
    {
        ResiliencePipeline retries = Retries.Create(options.Clock, OnRetry);
        for (; ; )
        {
            long before = _mostReceived;
            try
            {
                await retries.ExecuteAsync(async token => await ConnectAsync(partial, token).ConfigureAwait(false), cancellation).ConfigureAwait(false);
                return;
            }
            catch (DownloadException e) when (e.IsTransient && _mostReceived - before >= Step)
            {
                OnRetry(e);
            }
        }
    }

    /// <summary>One connection: receives what is missing, or fails.</summary>
    private async Task ConnectAsync(PartialFile partial, CancellationToken cancellation)
    {
        if (partial.Length > _size)
        {
            partial.Clear();
        }
        if (partial.Length == _size)
        {
            return;
        }
        HubMetadata metadata = new();
        using HttpResponseMessage answer = await http.SendAsync(HttpMethod.Get, source.Address, partial.Length, metadata, cancellation).ConfigureAwait(false);
        CheckUnchanged(metadata.Etag);
        switch (answer.StatusCode)
        {
            case HttpStatusCode.OK:
                partial.Clear(); // all of it comes, whether a part was asked for or not
                _etag = metadata.Etag;
                break;
            case HttpStatusCode.PartialContent when partial.Length > 0 && IsRestOf(answer.Content, metadata.Etag, partial.Length):
                break;
            case HttpStatusCode.PartialContent or HttpStatusCode.RequestedRangeNotSatisfiable:
                partial.Clear();
                throw Transient(DownloadFailure.Server, "does not send the part that was asked for");
            default:
                throw HubErrors.Of(answer, source.Name, source.HubPage, options.Token is not null && source.HubPage is not null, options.Clock.GetUtcNow());
        }
        if (!IsEncoded(answer.Content) && partial.Length + answer.Content.Headers.ContentLength is { } announced)
        {
            if (_size is not null && announced != _size)
            {
                partial.Clear();
                throw Transient(DownloadFailure.Damaged, $"announced {_size} bytes and sends {announced}");
            }
            _size = announced;
        }
        if (_size is null && source.Hash is null)
        {
            throw new DownloadException(DownloadFailure.Server, $"{HubHttp.ShowServer(source.Address)} does not say how long {source.Name} is: whether it is whole could not be known.");
        }
        CheckSpace(partial);
        await ReadAsync(answer.Content, partial, cancellation).ConfigureAwait(false);
    }

    private async Task ReadAsync(HttpContent content, PartialFile partial, CancellationToken cancellation)
    {
        if (_reported < 0)
        {
            progress?.Report(source.At(DownloadStage.Started, partial.Length, _size));
            _reported = partial.Length;
        }
        byte[] block = GC.AllocateUninitializedArray<byte>(BlockSize);
        try
        {
            await using Stream stream = await OpenAsync(content, cancellation).ConfigureAwait(false);
            for (bool isEnd = false; !isEnd;)
            {
                int filled = 0;
                using CancellationTokenSource timer = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
                timer.CancelAfter(options.BlockTimeout);
                try
                {
                    while (filled < block.Length && !isEnd)
                    {
                        int read = await ReadOnceAsync(stream, block.AsMemory(filled), timer.Token).ConfigureAwait(false);
                        filled += read;
                        isEnd = read == 0;
                    }
                }
                finally
                {
                    Keep(block.AsSpan(0, filled), partial); // what a broken connection brought is not lost
                }
            }
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw Transient(DownloadFailure.Unreachable, "sends nothing any more, or too slowly", e);
        }
        catch (NetworkException e)
        {
            throw Transient(DownloadFailure.Unreachable, $"broke off ({e.InnerException!.Message.TrimEnd('.')})", e.InnerException);
        }
        if (partial.Length < _size)
        {
            throw Transient(DownloadFailure.Unreachable, $"broke off after {partial.Length} of {_size} bytes");
        }
    }

    private async Task<int> ReadOnceAsync(Stream stream, Memory<byte> buffer, CancellationToken cancellation)
    {
        using CancellationTokenSource timer = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timer.CancelAfter(options.ReadTimeout);
        try
        {
            return await stream.ReadAsync(buffer, timer.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or HttpRequestException or InvalidDataException)
        {
            throw new NetworkException(e);
        }
    }

    private void Keep(ReadOnlySpan<byte> bytes, PartialFile partial)
    {
        if (partial.Length + bytes.Length > _size)
        {
            partial.Clear();
            throw Transient(DownloadFailure.Damaged, $"announced {_size} bytes and sends more");
        }
        partial.Write(bytes);
        _mostReceived = Math.Max(_mostReceived, partial.Length);
        if (partial.Length - _reported >= Step)
        {
            _reported = partial.Length;
            progress?.Report(source.At(DownloadStage.Receiving, partial.Length, _size));
        }
    }

    /// <summary>A server may compress though identity was asked for.</summary>
    private static async Task<Stream> OpenAsync(HttpContent content, CancellationToken cancellation)
    {
        Stream stream = await content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
        foreach (string encoding in content.Headers.ContentEncoding.Reverse())
        {
            stream = encoding switch
            {
                "gzip" or "x-gzip" => new GZipStream(stream, CompressionMode.Decompress),
                "br" => new BrotliStream(stream, CompressionMode.Decompress),
                "deflate" => new ZLibStream(stream, CompressionMode.Decompress),
                "identity" => stream,
                _ => throw new DownloadException(DownloadFailure.Server, $"The server sends the file encoded as '{encoding}'; 'identity' was asked for."),
            };
        }
        return stream;
    }

    /// <summary>Whether an answer is the part that was asked for, and of the same file: where no hash will show it, by the etag.</summary>
    private bool IsRestOf(HttpContent content, string? etag, long from)
        => (source.Hash is not null || (etag is not null && etag == _etag)) && !IsEncoded(content) && content.Headers.ContentRange is { Unit: "bytes" } range && range.From == from && (range.Length is null || _size is null || range.Length == _size);

    private static bool IsEncoded(HttpContent content) => content.Headers.ContentEncoding.Any(e => e != "identity");

    /// <summary>Two hashes of one kind that differ are two contents; other etags say nothing, such as those of a mirror.</summary>
    private void CheckUnchanged(string? etag)
    {
        if (source.Hash is not null && etag is not null && etag != source.Etag && etag.Length == source.Etag?.Length && ContentHash.OfEtag(etag) is not null)
        {
            throw new DownloadException(DownloadFailure.Damaged, $"{source.Name} on {HubHttp.ShowServer(source.Address)} changes while it is downloaded.") { IsChanged = true };
        }
    }

    private void CheckSpace(PartialFile partial)
    {
        long missing = (_size ?? 0) - partial.Length;
        if (options.FreeSpace(partial.Folder) is { } free && free < missing)
        {
            throw new IOException($"{source.Name} takes {missing} bytes more, {free} are free.", Storage.FullDisk);
        }
    }

    private void OnRetry(DownloadException e) => progress?.Report(source.At(DownloadStage.Retrying, _mostReceived, _size, e.Message));

    private DownloadException Transient(DownloadFailure failure, string problem, Exception? inner = null)
        => new(failure, $"The download of {source.Name} failed: {HubHttp.ShowServer(source.Address)} {problem}.", inner) { IsTransient = true };

    /// <summary>Tells the network's errors from the disk's, which are of the same type.</summary>
    private sealed class NetworkException(Exception inner) : Exception(null, inner);
}
