using Azure.Core.Pipeline;
using Azure.Storage.Blobs;
using TimmFeatures.Orleans.Jobs;

namespace TimmFeatures.Orleans.AzureBlobs;

/// <summary>
/// Azure Blob Storage: <c>az://CONTAINER/FOLDER/FILE</c>, or <c>https://ACCOUNT.blob.core.windows.net/CONTAINER/FOLDER/FILE</c>. The account and its key or SAS are those of the environment variable
/// AZURE_STORAGE_CONNECTION_STRING, on every machine; its BlobEndpoint says where a compatible service is.
/// </summary>
public sealed class AzureBlobStorage : ObjectStorage
{
    internal const string Variable = "AZURE_STORAGE_CONNECTION_STRING";

    /// <summary>Every try waits twice as long as the one before: seven seconds in all.</summary>
    private const int Retries = 4;

    internal override IReadOnlyList<string> Schemes { get; } = ["az", "https", "http"];

    internal override string Form => "az://CONTAINER/FILE, https://ACCOUNT.blob.core.windows.net/CONTAINER/FILE";

    internal override IObjectContainer Open(string output, out string name)
    {
        (string host, string path) = ObjectAddress.Split(output, Form);
        BlobServiceClient service = Connect(output);
        if (ObjectAddress.SchemeOf(output) != "az")
            (host, path) = InAccount(output, $"{service.Uri.GetLeftPart(UriPartial.Path).TrimEnd('/')}/");
        name = path;
        return new AzureContainer(service.GetBlobContainerClient(host));
    }

    /// <summary>Container and name of a URL.</summary>
    private static (string Container, string Name) InAccount(string output, string account)
    {
        if (!output.StartsWith(account, StringComparison.OrdinalIgnoreCase))
            throw new FormatException($"'{output}' is not of the account in {Variable}, which is {account}; expected {account}CONTAINER/FILE or az://CONTAINER/FILE.");
        int slash = output.IndexOf('/', account.Length);
        if (slash <= 0)
            throw new FormatException($"'{output}' lacks a file; expected {account}CONTAINER/FILE.");
        string name = Uri.UnescapeDataString(output[(slash + 1)..]);
        return ObjectAddress.IsName(name) ? (output[account.Length..slash], name) : throw new FormatException($"'{output}' is no address of an object; expected {account}CONTAINER/FILE.");
    }

    private static BlobServiceClient Connect(string output)
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } connection)
            throw new UnauthorizedAccessException($"'{output}' needs the environment variable {Variable}, which is not set here; expected the connection string of a storage account, with its key or a SAS.");
        // Whoever does not answer in a few seconds is not there. What is on its way has 100 seconds for each piece, which is the SDK's own limit.
        var transport = new HttpClientTransport(new HttpClient(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(5) }) { Timeout = Timeout.InfiniteTimeSpan });
        try
        {
            return new BlobServiceClient(connection, new BlobClientOptions { Transport = transport, Retry = { MaxRetries = Retries, Delay = TimeSpan.FromSeconds(0.5) } });
        }
        catch (Exception e) when (e is FormatException or ArgumentException or InvalidOperationException)
        {
            // What the SDK says may have parts of the key in it.
            throw new UnauthorizedAccessException($"What is in the environment variable {Variable} is no connection string of a storage account; expected DefaultEndpointsProtocol=https;AccountName=…;AccountKey=… "
                + "or BlobEndpoint=…;SharedAccessSignature=…");
        }
    }
}
