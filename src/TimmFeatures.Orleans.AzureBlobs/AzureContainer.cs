using Azure;
using Azure.Storage;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using TimmFeatures.Orleans.Jobs;

namespace TimmFeatures.Orleans.AzureBlobs;

/// <summary>A container of a storage account. A large blob is sent in blocks and appears when they are committed.</summary>
internal sealed class AzureContainer(BlobContainerClient container) : IObjectContainer
{
    private const int Block = 8 << 20;

    private static readonly StorageTransferOptions s_transfer = new() { InitialTransferSize = Block, MaximumTransferSize = Block };

    /// <summary>Without the query, which is the SAS where there is one.</summary>
    public string AddressOf(string name) => $"{container.Uri.GetLeftPart(UriPartial.Path)}/{name}";

    public byte[]? Read(string name) => Ask("read", name, () =>
    {
        try
        {
            return container.GetBlobClient(name).DownloadContent().Value.Content.ToArray();
        }
        catch (RequestFailedException e) when (e.ErrorCode == BlobErrorCode.BlobNotFound)
        {
            return null;
        }
    });

    public byte[] Read(string name, long from, int count) => Ask("read", name, () =>
    {
        byte[] read;
        try
        {
            read = container.GetBlobClient(name).DownloadContent(new BlobDownloadOptions { Range = new HttpRange(from, count) }).Value.Content.ToArray();
        }
        catch (RequestFailedException e) when (e.ErrorCode == BlobErrorCode.InvalidRange)
        {
            read = [];
        }
        return read.Length == count ? read : throw new EndOfStreamException($"'{AddressOf(name)}' ends before {from + count}.");
    });

    public bool Exists(string name) => Ask("look for", name, () => container.GetBlobClient(name).Exists().Value);

    public void Write(string name, byte[] content) => Ask("write", name, () => container.GetBlobClient(name).Upload(BinaryData.FromBytes(content), overwrite: true));

    public bool Create(string name, byte[] content) => Ask("write", name, () =>
    {
        try
        {
            container.GetBlobClient(name).Upload(BinaryData.FromBytes(content), new BlobUploadOptions { Conditions = new BlobRequestConditions { IfNoneMatch = ETag.All } });
            return true;
        }
        catch (RequestFailedException e) when (e.ErrorCode == BlobErrorCode.BlobAlreadyExists || e.ErrorCode == BlobErrorCode.ConditionNotMet)
        {
            return false;
        }
    });

    public void Upload(string name, string file, CancellationToken cancellation)
        => Ask("write", name, () => container.GetBlobClient(name).Upload(file, new BlobUploadOptions { TransferOptions = s_transfer }, cancellation));

    public void Download(string name, string file, CancellationToken cancellation)
        => Ask("read", name, () => container.GetBlobClient(name).DownloadTo(file, new BlobDownloadToOptions { TransferOptions = s_transfer }, cancellation));

    public IEnumerable<string> List(string prefix) => Ask("list", prefix, () => container.GetBlobs(BlobTraits.None, BlobStates.None, prefix, CancellationToken.None).Select(b => b.Name).ToArray());

    public void Delete(string name) => Ask("delete", name, () => container.DeleteBlobIfExists(name));

    public void Dispose()
    {
        // The client has nothing to give back but pooled connections, which close by themselves.
    }

    private T Ask<T>(string verb, string name, Func<T> ask)
    {
        try
        {
            return ask();
        }
        catch (AggregateException e) when (e.InnerExceptions.OfType<RequestFailedException>().FirstOrDefault() is { } last)
        {
            // Several tries, none of which was answered.
            throw Problem(verb, name, last);
        }
        catch (RequestFailedException e)
        {
            throw Problem(verb, name, e);
        }
    }

    private Exception Problem(string verb, string name, RequestFailedException e)
    {
        string what = $"{verb} '{AddressOf(name)}'";
        return e switch
        {
            { Status: 0 } => StorageProblems.Unreachable(what, container.Uri.GetLeftPart(UriPartial.Authority), e),
            { Status: 401 or 403 } => StorageProblems.Refused(what, e.ErrorCode, $"The key or SAS in {AzureBlobStorage.Variable}", e),
            { Status: 404 } when e.ErrorCode == BlobErrorCode.ContainerNotFound || e.ErrorCode == BlobErrorCode.ContainerBeingDeleted => StorageProblems.NoContainer(what, $"container '{container.Name}'", e),
            { Status: 404 } => new FileNotFoundException($"There is no '{AddressOf(name)}'.", e),
            _ => StorageProblems.Failed(what, e.Status, e.ErrorCode, e, e.ErrorCode == BlobErrorCode.InvalidResourceName ? " Names of containers have 3 to 63 lower-case letters, digits and hyphens." : ""),
        };
    }
}
