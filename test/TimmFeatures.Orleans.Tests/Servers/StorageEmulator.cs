using Azure.Storage.Blobs;
using Azure.Storage.Sas;
using TimmFeatures.Cli.Tests;
using TimmFeatures.Orleans.AzureBlobs;
using TimmFeatures.Orleans.Jobs;
using TimmFeatures.Orleans.S3;

namespace TimmFeatures.Orleans.Tests.Servers;

/// <summary>An emulator of a storage, with a container <c>features</c>. While it is there, this process and those that it starts find its credentials in their environment, and nobody else's.</summary>
internal abstract class StorageEmulator : LocalServer
{
    private const string Container = "features";

    private static readonly string s_folder = Path.Combine(Tool.Root, "artifacts", "emulators");

    /// <summary>What the SDKs read, of the emulator that is there; null for what it has no use for.</summary>
    private static readonly string[] s_variables =
    [
        "AZURE_STORAGE_CONNECTION_STRING", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REQUEST_CHECKSUM_CALCULATION",
        "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "AWS_EC2_METADATA_DISABLED",
    ];

    private readonly Dictionary<string, string?> _before = s_variables.ToDictionary(v => v, Environment.GetEnvironmentVariable);

    private bool _ends;

    /// <param name="name"><c>azure</c> or <c>s3</c>.</param>
    public static StorageEmulator Start(string name) => Started(name == "azure" ? new Azurite(Find("azurite", "dist/src/blob/main.js")) : (StorageEmulator)new S3Rver(Find("@20minutes/s3rver", "lib/cli.js")));

    public static IReadOnlyList<ObjectStorage> Storages { get; } = [new AzureBlobStorage(), new S3Storage()];

    /// <summary>An output in the container.</summary>
    public abstract string this[string file] { get; }

    /// <summary>A container that is not there.</summary>
    public abstract string Elsewhere { get; }

    /// <summary>Where it listens.</summary>
    public string Endpoint => $"http://127.0.0.1:{Port}";

    /// <summary>Puts its credentials into the environment.</summary>
    public abstract void SetCredentials();

    /// <summary>Puts other credentials in their place that the storage does not know.</summary>
    /// <returns>What must not be said of them.</returns>
    public abstract string SetWrongCredentials();

    /// <summary>Takes the credentials away.</summary>
    /// <returns>The name of the variable that is missing then.</returns>
    public abstract string SetNoCredentials();

    /// <summary>Puts a SAS in the place of the key; null where there is no such thing.</summary>
    /// <returns>Its signature.</returns>
    public virtual string? SetSharedAccessSignature() => null;

    /// <summary>The container, as a job has it.</summary>
    public IObjectContainer Open() => Storages.First(s => s.Schemes.Contains(ObjectAddress.SchemeOf(this["x"])!)).Open(this["x"], out _);

    /// <summary>Writes an output and what is beside it to a folder.</summary>
    public string Fetch(string file, string folder)
    {
        using IObjectContainer container = Open();
        foreach (string name in container.List(file).Where(n => !n.Contains(".job/", StringComparison.Ordinal)))
            container.Download(name, Path.Combine(Directory.CreateDirectory(folder).FullName, Path.GetFileName(name)), CancellationToken.None);
        return Path.Combine(folder, Path.GetFileName(file));
    }

    /// <summary>In good order Azurite waits for connections that are pooled, and writes down what it has.</summary>
    protected override string StopSignal => _ends ? "KILL" : "TERM";

    public override void Dispose()
    {
        _ends = true;
        base.Dispose();
        Set(_before);
    }

    /// <summary>Sets what it needs, and nothing else of this machine's.</summary>
    private void SetOnly(params (string Name, string Value)[] values)
    {
        Set(s_variables.ToDictionary(v => v, string? (v) => null));
        string nowhere = Folder["no such file"];
        Set(values.Concat([("AWS_EC2_METADATA_DISABLED", "true"), ("AWS_SHARED_CREDENTIALS_FILE", nowhere), ("AWS_CONFIG_FILE", nowhere)]).ToDictionary(v => v.Item1, string? (v) => v.Item2));
    }

    /// <summary>A program of Node.js.</summary>
    private static ServerProcess Node(params string[] arguments) => new(Path.Combine(s_folder, "node"), arguments);

    /// <summary>A file of npm's packages; eng/servers.sh installs them where it can.</summary>
    private static string Find(string package, string file)
    {
        string path = Path.Combine(s_folder, "node_modules", package, file);
        if (!File.Exists(path))
            Assert.Inconclusive($"There is no {package} of npm's packages here.");
        return path;
    }

    private static void Set(IEnumerable<KeyValuePair<string, string?>> values)
    {
        foreach ((string name, string? value) in values)
            Environment.SetEnvironmentVariable(name, value);
    }

    private sealed class Azurite(string program) : StorageEmulator
    {
        /// <summary>The account that it has, and its published key.</summary>
        private const string Account = "devstoreaccount1", Key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

        public override string this[string file] => $"{Endpoint}/{Account}/{Container}/{file}";

        public override string Elsewhere => "az://elsewhere/x.npy";

        public override void SetCredentials() => SetOnly(("AZURE_STORAGE_CONNECTION_STRING", Connection(Key)));

        public override string SetWrongCredentials()
        {
            string key = Convert.ToBase64String(new byte[64]);
            SetOnly(("AZURE_STORAGE_CONNECTION_STRING", Connection(key)));
            return key;
        }

        public override string SetNoCredentials()
        {
            SetOnly();
            return "AZURE_STORAGE_CONNECTION_STRING";
        }

        public override string SetSharedAccessSignature()
        {
            string query = new BlobServiceClient(Connection(Key)).GenerateAccountSasUri(AccountSasPermissions.All, DateTimeOffset.UtcNow.AddHours(1), AccountSasResourceTypes.All).Query;
            SetOnly(("AZURE_STORAGE_CONNECTION_STRING", $"BlobEndpoint={Endpoint}/{Account};SharedAccessSignature={query[1..]}"));
            return query.Split("sig=")[1];
        }

        /// <summary>It knows the versions of the interface that there were when it was made; the SDK asks for newer ones.</summary>
        protected override ServerProcess Launch()
            => Node(program, "--silent", "--disableTelemetry", "--skipApiVersionCheck", "--location", Folder.Path, "--blobHost", "127.0.0.1", "--blobPort", $"{Port}");

        protected override bool IsReady()
        {
            SetCredentials();
            new BlobContainerClient(Connection(Key), Container).CreateIfNotExists();
            return true;
        }

        private string Connection(string key) => $"DefaultEndpointsProtocol=http;AccountName={Account};AccountKey={key};BlobEndpoint={Endpoint}/{Account};";
    }

    private sealed class S3Rver(string program) : StorageEmulator
    {
        private const string Key = "S3RVER";

        public override string this[string file] => $"s3://{Container}/{file}";

        public override string Elsewhere => "s3://elsewhere/x.npy";

        /// <summary>It does not know checksums behind the content, which the SDK sends unless it is told not to.</summary>
        public override void SetCredentials()
            => SetOnly(("AWS_ACCESS_KEY_ID", Key), ("AWS_SECRET_ACCESS_KEY", Key), ("AWS_ENDPOINT_URL_S3", Endpoint), ("AWS_REQUEST_CHECKSUM_CALCULATION", "WHEN_REQUIRED"));

        public override string SetWrongCredentials()
        {
            SetOnly(("AWS_ACCESS_KEY_ID", "nobody"), ("AWS_SECRET_ACCESS_KEY", "wrong-secret"), ("AWS_ENDPOINT_URL_S3", Endpoint));
            return "wrong-secret";
        }

        public override string SetNoCredentials()
        {
            SetOnly(("AWS_ENDPOINT_URL_S3", Endpoint));
            return "AWS_ACCESS_KEY_ID";
        }

        /// <summary>Its package lacks the program that it names. What is signed of requests to a bucket it reads otherwise than S3, so that it must not compare: it knows who asks, but not by the secret.</summary>
        protected override ServerProcess Launch() => Node("-e", $"require({System.Text.Json.JsonSerializer.Serialize(program)}).parseAsync()", "s3rver", "--silent", "--allow-mismatched-signatures",
            "--directory", Folder.Path, "--address", "127.0.0.1", "--port", $"{Port}", "--configure-bucket", Container);

        protected override bool IsReady()
        {
            SetCredentials();
            return true;
        }
    }
}
