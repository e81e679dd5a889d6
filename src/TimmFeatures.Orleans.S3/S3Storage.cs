using Amazon.Runtime;
using Amazon.S3;
using TimmFeatures.Orleans.Jobs;

namespace TimmFeatures.Orleans.S3;

/// <summary>
/// Amazon S3 and what is compatible with it: <c>s3://BUCKET/FOLDER/FILE</c>. Credentials, region and endpoint are what the AWS SDK finds on every machine: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or a
/// role; AWS_REGION; AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL for another service, which is asked with the bucket in the path.
/// </summary>
public sealed class S3Storage : ObjectStorage
{
    private const int Retries = 5;

    internal override IReadOnlyList<string> Schemes { get; } = ["s3"];

    internal override string Form => "s3://BUCKET/FILE";

    internal override IObjectContainer Open(string output, out string name)
    {
        (string bucket, name) = ObjectAddress.Split(output, Form);
        string? endpoint = new[] { "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL" }.Select(Environment.GetEnvironmentVariable).FirstOrDefault(v => v is { Length: > 0 });
        if (endpoint is not null && !(Uri.TryCreate(endpoint, UriKind.Absolute, out Uri? url) && url is { Scheme: "http" or "https", UserInfo: "", Query: "" }))
            throw new FormatException($"The endpoint '{ObjectAddress.Said(endpoint)}' in the environment (AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL) is no URL of a service; expected one such as https://storage.example.com, without credentials.");
        try
        {
            var config = new AmazonS3Config
            {
                ForcePathStyle = endpoint is not null,
                RetryMode = RequestRetryMode.Standard,
                MaxErrorRetry = Retries,
                // Whoever does not answer in a few seconds is not there.
                ConnectTimeout = TimeSpan.FromSeconds(5),
            };
            return new S3Bucket(new AmazonS3Client(config), bucket);
        }
        catch (AmazonClientException e)
        {
            throw new UnauthorizedAccessException($"'{output}' needs a region, and none is set here: expected AWS_REGION, such as eu-central-1, or AWS_ENDPOINT_URL_S3 for another service.", e);
        }
    }
}
