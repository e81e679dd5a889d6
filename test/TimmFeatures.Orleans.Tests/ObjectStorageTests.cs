using System.Net;
using System.Text;
using Amazon.Runtime;
using Amazon.S3;
using TimmFeatures.Cli;
using TimmFeatures.Cli.Tests;
using TimmFeatures.Orleans.Grains;
using TimmFeatures.Orleans.Jobs;
using TimmFeatures.Orleans.S3;
using TimmFeatures.Orleans.Tests.Servers;

namespace TimmFeatures.Orleans.Tests;

/// <summary>Jobs that are written to Azure Blob Storage and to S3, with emulators of both.</summary>
[TestClass]
public sealed class ObjectStorageTests
{
    private static readonly Dictionary<string, StorageEmulator> s_emulators = [];

    [ClassCleanup]
    public static void Stop()
    {
        foreach (StorageEmulator emulator in s_emulators.Values.Reverse())
            emulator.Dispose();
    }

    [TestMethod]
    [DataRow("azure")]
    [DataRow("s3")]
    public async Task A_jobs_file_in_a_storage_is_that_of_one_machine_and_pictures_that_failed_can_be_done_again(string name)
    {
        StorageEmulator storage = Shared(name);
        using var set = new PictureSet(47, bad: 23);
        await using ClusterClient cluster = await Connect();
        // NumPy's format has paths and errors in a table beside it.
        JobRequest request = set.Request("x") with { Output = storage["night/features ü.npy"] };
        JobStatus done = await cluster.Ended((await cluster.SubmitAsync(request)).Id);
        Assert.AreEqual((JobPhase.Done, 47, 1, 5, storage["night/features ü.npy"]), (done.Phase, done.Done, done.Failed, done.Parts, done.Output), done.Error);
        AssertSame(set.OneMachine("one.npy"), storage, "night/features ü.npy", set["fetched"]);

        set.Mend(23);
        Assert.AreEqual(JobPhase.Computing, (await cluster.RetryAsync(done.Id))!.Phase);
        JobStatus again = await cluster.Ended(done.Id);
        Assert.AreEqual((JobPhase.Done, 47, 0), (again.Phase, again.Done, again.Failed), again.Error);
        AssertSame(set.OneMachine("mended.npy"), storage, "night/features ü.npy", set["fetched"]);
        using IObjectContainer container = storage.Open();
        for (int i = 0; i < 1000 && container.List("night/features ü.npy.job/").Any(); i++)
            await Task.Delay(10);
        CollectionAssert.AreEquivalent(new[] { "night/features ü.npy", "night/features ü.npy.report.json", "night/features ü.npy.rows.csv" }, container.List("night/").ToArray());
        Assert.Contains("is there already", (await Assert.ThrowsExactlyAsync<IOException>(() => cluster.SubmitAsync(request))).Message);
    }

    [TestMethod]
    [DataRow("azure")]
    [DataRow("s3")]
    public async Task A_part_published_twice_is_one_part_and_a_job_begun_twice_is_one_job(string name)
    {
        StorageEmulator storage = Shared(name);
        using var set = new PictureSet(3);
        string output = storage["twice/x.csv"];
        await using ClusterClient cluster = await Connect();
        NewJob job = JobFolder.Prepare(set.Request("x") with { Output = output }, TextReader.Null, StorageEmulator.Storages);
        Assert.AreEqual(job, JobFolder.Prepare(set.Request("x") with { Output = output }, TextReader.Null, StorageEmulator.Storages));
        Assert.Contains("exif is false there and true here",
            Assert.ThrowsExactly<InvalidDataException>(() => JobFolder.Prepare(set.Request("x") with { Output = output, Exif = true }, TextReader.Null, StorageEmulator.Storages)).Message);
        using IResultStore store = ResultStores.Open(output, job.Id, StorageEmulator.Storages);
        store.Check();
        JobDescription description = store.ReadJob()!;
        Assert.AreEqual(job.Id, description.Id);
        using (Extraction.Images.ManifestPart images = store.ReadImages(description, new Extraction.Shard(0, 1)))
            CollectionAssert.AreEqual(Enumerable.Range(0, 3).Select(set.PathOf).ToArray(), images.Items.Select(i => i.Name).ToArray());
        Assert.Contains("is cut or of another job", Assert.ThrowsExactly<InvalidDataException>(() => store.ReadImages(description, new Extraction.Shard(5, 6))).Message);

        using IObjectContainer container = storage.Open();
        // What a worker that was killed has left is no part.
        container.Write($"twice/x.csv.job/{job.Id}/parts/00000/killed/x.csv.report.json", "{}"u8.ToArray());
        Assert.IsNull(store.ReadPart(0));
        container.Delete($"twice/x.csv.job/{job.Id}/parts/00000/killed/x.csv.report.json");
        foreach ((string content, bool replace) in ((string, bool)[])[("first", false), ("second", false), ("third", true)])
            store.PublishPart(Staged(content), 0, replace, CancellationToken.None);
        string fetched = store.Stage();
        // s3rver does not know conditions, and writes all the same: equal parts, of which the last is meant.
        Assert.AreEqual("third", File.ReadAllText(store.PartFiles(1, fetched, CancellationToken.None).Single()));
        store.Discard(fetched);
        Assert.HasCount(name == "azure" ? 2 * 2 + 1 : 3 * 2 + 1, container.List($"twice/x.csv.job/{job.Id}/parts/00000/").ToArray());
        Parallel.For(0, 4, i => store.PublishPart(Staged($"racer {i}"), 1, replace: false, CancellationToken.None));
        string[] raced = [.. container.List($"twice/x.csv.job/{job.Id}/parts/00001/")];
        string winner = Encoding.UTF8.GetString(container.Read($"twice/x.csv.job/{job.Id}/parts/00001/published")!);
        Assert.HasCount(2, raced.Where(o => o.Contains(winner, StringComparison.Ordinal)).ToArray());
        if (name == "azure")
        {
            Assert.HasCount(2 + 1, raced);
            Assert.IsFalse(container.Create("twice/x.csv.job/job.json", []));
        }
        store.DeleteParts();
        Assert.IsEmpty(container.List("twice/"));
        Assert.Contains("the job has ended", Assert.ThrowsExactly<FileNotFoundException>(store.Check).Message);

        string Staged(string content)
        {
            string staged = store.Stage();
            File.WriteAllText(Path.Combine(staged, "x.csv"), content);
            File.WriteAllText(Path.Combine(staged, "x.csv.report.json"), "{}");
            return staged;
        }
    }

    /// <summary>Azure gets them in blocks and S3 in parts, both of 16 MiB at most.</summary>
    [TestMethod]
    [TestCategory("Slow")]
    [DataRow("azure")]
    [DataRow("s3")]
    public void Large_files_are_there_as_a_whole_or_not(string name)
    {
        using IObjectContainer container = Shared(name).Open();
        using var folder = new TemporaryFolder();
        byte[] content = new byte[20_000_000];
        new Random(1).NextBytes(content);
        File.WriteAllBytes(folder["large"], content);
        container.Upload("large/x", folder["large"], CancellationToken.None);
        File.WriteAllBytes(folder["other"], content[1..]);
        Assert.Throws<OperationCanceledException>(() => container.Upload("large/x", folder["other"], new CancellationToken(canceled: true)));
        container.Download("large/x", folder["fetched"], CancellationToken.None);
        Assert.IsTrue(content.AsSpan().SequenceEqual(File.ReadAllBytes(folder["fetched"])));
        CollectionAssert.AreEqual(content[19_000_000..19_000_010], container.Read("large/x", 19_000_000, 10));
        Assert.ThrowsExactly<EndOfStreamException>(() => container.Read("large/x", 19_999_999, 2));
    }

    [TestMethod]
    [DataRow("azure")]
    [DataRow("s3")]
    public void What_a_storage_refuses_is_one_line_without_credentials(string name)
    {
        StorageEmulator storage = Shared(name);
        Refused(storage.Elsewhere, "Cannot read '", "x.npy.job/job.json': there is no ", "'elsewhere'. Make it first");
        string secret = storage.SetWrongCredentials();
        Assert.DoesNotContain(secret, Refused(storage["x.npy"], "x.npy.job/job.json': it is refused (", "read, write, list and delete"));
        string variable = storage.SetNoCredentials();
        Refused(storage["x.npy"], storage["x.npy"], variable);
    }

    [TestMethod]
    public void A_shared_access_signature_does_and_is_never_said()
    {
        StorageEmulator storage = Shared("azure");
        string signature = storage.SetSharedAccessSignature()!;
        using (IObjectContainer container = storage.Open())
        {
            container.Write("sas/x", [1, 2, 3]);
            CollectionAssert.AreEqual(new byte[] { 2, 3 }, container.Read("sas/x", 1, 2));
            Assert.AreEqual(storage["sas/x"], container.AddressOf("sas/x"));
            Assert.DoesNotContain(signature, Assert.ThrowsExactly<FileNotFoundException>(() => container.Download("sas/y", "y", CancellationToken.None)).Message);
        }
        Assert.DoesNotContain(signature, Refused($"{storage.Endpoint}/another/c/x.npy", "is not of the account in AZURE_STORAGE_CONNECTION_STRING", "/devstoreaccount1/CONTAINER/FILE"));
        Assert.DoesNotContain(signature, Refused(storage.Elsewhere, "there is no container 'elsewhere'"));
    }

    [TestMethod]
    public async Task Names_in_URLs_are_unescaped_in_all_that_is_beside_the_file_too()
    {
        StorageEmulator storage = Shared("azure");
        using var set = new PictureSet(2);
        await using ClusterClient cluster = await Connect();
        JobStatus done = await cluster.Ended((await cluster.SubmitAsync(set.Request("x") with { Output = storage["url/q%20r.npy"] })).Id);
        Assert.AreEqual((JobPhase.Done, 2), (done.Phase, done.Done), done.Error);
        AssertSame(set.OneMachine("one.npy"), storage, "url/q r.npy", set["fetched"]);
        Refused(storage["url/%2e%2e/x.npy"], "is no address of an object");
    }

    [TestMethod]
    public void An_endpoint_that_is_none_or_has_credentials_in_it_is_refused_without_repeating_these()
    {
        Shared("s3");
        foreach ((string endpoint, string said) in ((string, string)[])[("localhost:9000", "'localhost:9000'"), ("127.0.0.1:9000", "'127.0.0.1:9000'"), ("http://key:secret@127.0.0.1:9000", "'http://…@127.0.0.1:9000'")])
        {
            Environment.SetEnvironmentVariable("AWS_ENDPOINT_URL_S3", endpoint);
            Assert.DoesNotContain("secret", Refused("s3://features/x.npy", $"The endpoint {said} in the environment", "expected one such as https://storage.example.com, without credentials."));
        }
    }

    /// <summary>What whoever uses a compatible service meets first.</summary>
    [TestMethod]
    public void A_service_that_does_not_know_the_SDKs_checksums_is_an_error_that_says_how_to_leave_them_out()
    {
        StorageEmulator storage = Shared("s3");
        // The SDK reads the variable once in a process.
        using var client = new AmazonS3Client("S3RVER", "S3RVER", new AmazonS3Config { ServiceURL = storage.Endpoint, ForcePathStyle = true, RequestChecksumCalculation = RequestChecksumCalculation.WHEN_SUPPORTED });
        using IObjectContainer bucket = new S3Bucket(client, "features");
        string message = Assert.ThrowsExactly<IOException>(() => bucket.Write("x", [1])).Message;
        Assert.Contains("Cannot write 's3://features/x': the storage answers 400 InvalidArgument.", message);
        Assert.Contains("set AWS_REQUEST_CHECKSUM_CALCULATION=WHEN_REQUIRED", message);
    }

    /// <summary>s3rver does not know conditions: what S3 answers is from its documentation.</summary>
    [TestMethod]
    public void S3_is_asked_not_to_overwrite_and_its_answers_are_understood()
    {
        using var s3 = new HttpListener();
        string endpoint = $"http://127.0.0.1:{FreePorts.Next()}/";
        s3.Prefixes.Add(endpoint);
        s3.Start();
        using var client = new AmazonS3Client("key", "secret", new AmazonS3Config { ServiceURL = endpoint, ForcePathStyle = true });
        using IObjectContainer bucket = new S3Bucket(client, "features");
        Assert.IsTrue(Answered((409, "ConditionalRequestConflict"), (200, "")));
        Assert.IsFalse(Answered((412, "PreconditionFailed")));

        bool Answered(params (int Status, string Code)[] answers)
        {
            Task<bool> asked = Task.Run(() => bucket.Create("x", [1]));
            foreach ((int status, string code) in answers)
            {
                HttpListenerContext context = s3.GetContext();
                Assert.AreEqual(("PUT", "/features/x", "*"), (context.Request.HttpMethod, context.Request.RawUrl, context.Request.Headers["If-None-Match"]));
                context.Request.InputStream.CopyTo(Stream.Null);
                context.Response.StatusCode = status;
                context.Response.Close(code.Length == 0 ? [] : Encoding.UTF8.GetBytes($"<Error><Code>{code}</Code></Error>"), willBlock: true);
            }
            return asked.GetAwaiter().GetResult();
        }
    }

    /// <summary>A worker with other credentials refuses, one is killed, the storage goes away and comes back.</summary>
    [TestMethod]
    [TestCategory("Slow")]
    [DataRow("azure")]
    [DataRow("s3")]
    public async Task A_job_in_a_storage_outlives_a_killed_worker_and_a_storage_that_was_away(string name)
    {
        using DatabaseServer redis = DatabaseServer.StartRedis();
        using StorageEmulator storage = StorageEmulator.Start(name);
        using var workers = new WorkerProcesses(redis.Address);
        string secret = storage.SetWrongCredentials();
        workers.Start();
        workers.WaitUntilReady();
        storage.SetCredentials();
        using var set = new PictureSet(600, bad: 77);
        string one = set.OneMachine("one.parquet");
        await using ClusterClient client = await ClusterClient.ConnectAsync(redis.Address, local: WithStorages(new WorkerOptions()));
        JobStatus job = await client.SubmitAsync(set.Request("x", partSize: 20) with { Output = storage["x.parquet"] });
        JobStatus refused = await client.Until(job.Id, s => s.Refusals.Count == 1);
        Assert.Contains("it is refused (", refused.Refusals.Single().Reason);
        Assert.DoesNotContain(secret, refused.ToString() + refused.Refusals.Single() + workers.Said);

        int first = workers.Start();
        workers.Start();
        await client.Until(job.Id, s => s.PartsDone >= 3);
        workers.Kill(first);
        await client.Until(job.Id, s => s.PartsDone >= 6);
        storage.Stop();
        refused = await client.Until(job.Id, s => s.Refusals.Count == 2);
        Assert.Contains($"no answer from {storage.Endpoint}", refused.Refusals[1].Reason);
        Assert.AreEqual(JobPhase.Computing, refused.Phase);
        storage.Start();
        workers.Start();
        await client.RetryAsync(job.Id);
        JobStatus done = await client.Ended(job.Id);
        Assert.AreEqual((JobPhase.Done, 600, 1, 30), (done.Phase, done.Done, done.Failed, done.PartsDone), $"{done.Error}\n{workers.Said}");
        PictureSet.AssertSame(one, storage.Fetch("x.parquet", set["fetched"]));
    }

    [TestMethod]
    public void Addresses_that_are_none_or_have_credentials_in_them_are_refused_without_repeating_these()
    {
        foreach ((string output, string said) in ((string, string)[])
        [
            ("s3://bucket", "'s3://bucket' is no address of an object; expected s3://BUCKET/FILE."),
            ("s3://bucket/a//x.npy", "is no address of an object"),
            ("s3://bucket/../x.npy", "is no address of an object"),
            ("s3://key:secret@bucket/x.npy", "'s3://…@bucket/x.npy' has more than a name in it"),
            ("s3://key:sec/ret@bucket/x.npy", "'s3://…@bucket/x.npy' has more than a name in it"),
            ("s3:/key:secret@bucket/x.npy", "An output that begins with 's3:' is the address of an object, which has two slashes behind that; expected s3://BUCKET/FILE."),
            ("az:c/x.npy", "expected az://CONTAINER/FILE"),
            ("https://a.blob.core.windows.net/c/x.npy?sv=2026&sig=secret", "'https://a.blob.core.windows.net/c/x.npy?…' has more than a name in it"),
            ("gs://bucket/x.npy", "expected a file in a folder that all workers see or az://CONTAINER/FILE, https://ACCOUNT.blob.core.windows.net/CONTAINER/FILE, s3://BUCKET/FILE."),
        ])
            Assert.DoesNotContain("secret", Refused(output, said));
        Tool.Fail(ExitCode.Usage, ["extract", PictureSet.Model, "photos", "--random-weights", "-o", "s3://key:secret@bucket/x.npy"], "--output 's3://…' is not valid", "'submit' alone");
        Assert.Contains("TimmFeatures.Orleans.S3", Assert.ThrowsExactly<FormatException>(() => ResultStores.Open("s3://b/x.npy", null, [])).Message);
    }

    /// <summary>A job is refused with one line, after the one that the cluster of this process says of itself.</summary>
    /// <returns>The line.</returns>
    private static string Refused(string output, params string[] texts)
    {
        using var set = new PictureSet(1);
        Tool run = Tool.Run("submit", PictureSet.Model, set.Pictures, "--random-weights", "--image-size", "64", "-o", output);
        Assert.AreEqual((ExitCode.Failure, ""), (run.ExitCode, run.Out), run.Error);
        string line = run.Error.TrimEnd('\n').Split('\n').Single(l => !l.Contains(" Worker 127.0.0.1:"));
        foreach (string text in texts)
            Assert.Contains(text, line);
        return line;
    }

    /// <summary>One emulator for many tests, with its credentials in force.</summary>
    private static StorageEmulator Shared(string name)
    {
        if (!s_emulators.TryGetValue(name, out StorageEmulator? emulator))
            s_emulators.Add(name, emulator = StorageEmulator.Start(name));
        emulator.SetCredentials();
        return emulator;
    }

    private static Task<ClusterClient> Connect() => ClusterClient.ConnectAsync(ClusterAddress.Parse("local"), local: WithStorages(new WorkerOptions { Device = "cpu", Threads = 2 }));

    private static WorkerOptions WithStorages(WorkerOptions options)
    {
        foreach (ObjectStorage storage in StorageEmulator.Storages)
            options.Storages.Add(storage);
        return options;
    }

    private static void AssertSame(string expected, StorageEmulator storage, string name, string folder)
    {
        string fetched = storage.Fetch(name, folder);
        PictureSet.AssertSame(expected, fetched);
        Assert.AreEqual(File.ReadAllText($"{expected}.rows.csv"), File.ReadAllText($"{fetched}.rows.csv"));
    }
}
