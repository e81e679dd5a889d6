using System.Net;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Amazon.S3.Transfer;
using TimmFeatures.Orleans.Jobs;

namespace TimmFeatures.Orleans.S3;

/// <summary>A bucket. A large object is sent in parts and appears when they are completed.</summary>
internal sealed class S3Bucket(AmazonS3Client client, string bucket) : IObjectContainer
{
    private const string Credentials = "The credentials that the AWS SDK finds here (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or a role)";

    private const string ChecksumHint = " If the service does not know the checksums of the AWS SDK, set AWS_REQUEST_CHECKSUM_CALCULATION=WHEN_REQUIRED.";

    /// <summary>Somebody else was writing the same object at the same time: S3 asks to try again.</summary>
    private const int ConflictRetries = 5;

    private readonly TransferUtility _transfer = new(client);

    public string AddressOf(string name) => $"s3://{bucket}/{name}";

    public byte[]? Read(string name) => Ask("read", name, async () =>
    {
        try
        {
            return await Content(new GetObjectRequest { BucketName = bucket, Key = name });
        }
        catch (AmazonS3Exception e) when (e.ErrorCode == "NoSuchKey")
        {
            return null;
        }
    });

    public byte[] Read(string name, long from, int count) => Ask("read", name, async () =>
    {
        byte[] read;
        try
        {
            read = await Content(new GetObjectRequest { BucketName = bucket, Key = name, ByteRange = new ByteRange(from, from + count - 1) });
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            read = [];
        }
        return read.Length == count ? read : throw new EndOfStreamException($"'{AddressOf(name)}' ends before {from + count}.");
    });

    public bool Exists(string name) => Ask("look for", name, async () =>
    {
        try
        {
            await client.GetObjectMetadataAsync(bucket, name);
            return true;
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.NotFound)
        {
            return false;
        }
    });

    public void Write(string name, byte[] content) => Ask("write", name, () => client.PutObjectAsync(Put(name, content)));

    public bool Create(string name, byte[] content) => Ask("write", name, async () =>
    {
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                PutObjectRequest put = Put(name, content);
                put.IfNoneMatch = "*";
                await client.PutObjectAsync(put);
                return true;
            }
            catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.PreconditionFailed)
            {
                return false;
            }
            catch (AmazonS3Exception e) when (e.ErrorCode == "ConditionalRequestConflict" && attempt < ConflictRetries)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(200 << attempt));
            }
        }
    });

    public void Upload(string name, string file, CancellationToken cancellation) => Ask("write", name, async () =>
    {
        await _transfer.UploadAsync(new TransferUtilityUploadRequest { BucketName = bucket, Key = name, FilePath = file }, cancellation);
        return true;
    });

    public void Download(string name, string file, CancellationToken cancellation) => Ask("read", name, async () =>
    {
        using GetObjectResponse response = await client.GetObjectAsync(bucket, name, cancellation);
        await response.WriteResponseStreamToFileAsync(file, append: false, cancellation);
        return true;
    });

    public IEnumerable<string> List(string prefix) => Ask("list", prefix, async () =>
    {
        var names = new List<string>();
        await foreach (S3Object found in client.Paginators.ListObjectsV2(new ListObjectsV2Request { BucketName = bucket, Prefix = prefix }).S3Objects)
            names.Add(found.Key);
        return names;
    });

    public void Delete(string name) => Ask("delete", name, () => client.DeleteObjectAsync(bucket, name));

    public void Dispose()
    {
        _transfer.Dispose();
        client.Dispose();
    }

    private PutObjectRequest Put(string name, byte[] content) => new() { BucketName = bucket, Key = name, InputStream = new MemoryStream(content) };

    private async Task<byte[]> Content(GetObjectRequest request)
    {
        using GetObjectResponse response = await client.GetObjectAsync(request);
        using var content = new MemoryStream();
        await response.ResponseStream.CopyToAsync(content);
        return content.ToArray();
    }

    private T Ask<T>(string verb, string name, Func<Task<T>> ask)
    {
        try
        {
            return ask().GetAwaiter().GetResult();
        }
        catch (Exception e) when (Problem($"{verb} '{AddressOf(name)}'", e) is { } problem)
        {
            throw problem;
        }
    }

    private Exception? Problem(string what, Exception e)
    {
        string? region = client.Config.RegionEndpoint?.SystemName, service = client.Config.ServiceURL;
        return e switch
        {
            AmazonS3Exception { StatusCode: HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized } refused => StorageProblems.Refused(what, refused.ErrorCode, Credentials, e),
            AmazonS3Exception { ErrorCode: "NoSuchBucket" } => StorageProblems.NoContainer(what, $"bucket '{bucket}'", e),
            AmazonS3Exception { ErrorCode: "NoSuchKey" } => new FileNotFoundException($"Cannot {what}: there is no such object.", e),
            AmazonS3Exception { ErrorCode: "PermanentRedirect" or "AuthorizationHeaderMalformed" } => new IOException($"Cannot {what}: the bucket is in another region than {region}. Set AWS_REGION to its own.", e),
            AmazonS3Exception { StatusCode: HttpStatusCode.BadRequest or HttpStatusCode.NotImplemented } other when service is not null
                => StorageProblems.Failed(what, (int)other.StatusCode, other.ErrorCode, e, ChecksumHint),
            AmazonServiceException { StatusCode: not 0 } other => StorageProblems.Failed(what, (int)other.StatusCode, other.ErrorCode, e),
            HttpRequestException or AmazonServiceException or TimeoutException or TaskCanceledException { InnerException: TimeoutException } => StorageProblems.Unreachable(what, service ?? $"S3 in {region}", e),
            AmazonClientException => StorageProblems.Refused(what, "no credentials", Credentials, e),
            _ => null,
        };
    }
}
