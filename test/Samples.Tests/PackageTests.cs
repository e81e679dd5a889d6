using System.IO.Compression;
using System.Reflection.Metadata;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Samples.Tests;

/// <summary>What is published, seen from outside: packages in a folder, a consumer that knows nothing of the repository. Slow; part of <c>./test.sh --all</c>.</summary>
[TestClass]
[TestCategory("Slow")]
public sealed class PackageTests
{
    private const string Version = "0.1.0-test";

    /// <summary>The package that is a dotnet tool: a program with all that it needs, no library.</summary>
    private const string ToolId = "TimmFeatures.Cli";

    /// <summary>Packages of ours that are no part of ML.NET: their assemblies are called as they are.</summary>
    private static readonly string[] s_withoutMicrosoftML = ["TimmFeatures.Extraction", "TimmFeatures.Orleans", "TimmFeatures.Orleans.AzureBlobs", "TimmFeatures.Orleans.S3"];

    /// <summary>Trains and saves, or loads, and prints what it predicts.</summary>
    private const string TrainingProgram = """
        using Microsoft.ML;
        using Microsoft.ML.Data;

        string folder = Path.Combine(args[1], "textures");
        var mlContext = new MLContext(seed: 1);
        IDataView data = mlContext.Data.LoadFromEnumerable(Directory.EnumerateFiles(folder, "*.jpg", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Where((_, i) => i % 4 == 0)
            .Select(p => new Picture { Path = Path.GetRelativePath(folder, p), Label = Path.GetFileName(Path.GetDirectoryName(p))! }));
        ITransformer model;
        if (args[0] == "train")
        {
            var pipeline = mlContext.Transforms.LoadImages("Image", folder, "Path")
                .Append(mlContext.Transforms.TimmFeatures("Features", "Image", "test_resnet.textures16", Path.Combine(args[1], "weights", "test_resnet.textures16")))
                .AppendCacheCheckpoint(mlContext)
                .Append(mlContext.Transforms.Conversion.MapValueToKey("Label"))
                .Append(mlContext.MulticlassClassification.Trainers.LbfgsMaximumEntropy())
                .Append(mlContext.Transforms.Conversion.MapKeyToValue("PredictedLabel"));
            model = pipeline.Fit(data);
            mlContext.Model.Save(model, data.Schema, args[2]);
        }
        else
        {
            model = mlContext.Model.Load(args[2], out _);
        }
        foreach (string label in model.Transform(data).GetColumn<string>("PredictedLabel"))
            Console.WriteLine(label);

        class Picture
        {
            public string Path { get; set; } = "";
            public string Label { get; set; } = "";
        }
        """;

    /// <summary>Prints the preferred kind and what it comes to, and the text, of a picture and a table.</summary>
    private const string FormattingProgram = """
        using Backbones;
        using Microsoft.DotNet.Interactive.Formatting;
        using Microsoft.ML.TimmFeatures.Interactive;

        foreach (object value in new object[] { FeaturePictures.Grid([1, 2, 3, 4], [1, 2, 2]), FeatureTable.Of([new FeatureInfo(0, 64, 2, "act1")]) })
        {
            foreach (string kind in (string[])[Formatter.GetPreferredMimeTypesFor(value.GetType()).First(), "text/plain"])
                Console.WriteLine($"{kind}: {Formatter.ToDisplayString(value, kind).ReplaceLineEndings(" ")}");
        }
        """;

    private static readonly string s_folder = Path.Combine(Path.GetTempPath(), $"timm-features-{Guid.NewGuid():N}");

    /// <summary>Names of the packages, which are made once.</summary>
    private static readonly Lazy<string[]> s_packed = new(Pack);

    [TestMethod]
    public void Packed_and_restored_elsewhere_a_pipeline_trains_and_its_model_loads_in_a_new_process()
    {
        foreach (string id in s_packed.Value)
            CheckPackage(id);
        string consumer = WriteConsumer("consumer", """<PackageReference Include="TimmFeatures" Version="VERSION" />""", TrainingProgram);
        DotNet.Run(consumer, "build", "-c", "Release", "-v", "quiet", "--disable-build-servers");
        string program = Path.Combine(consumer, "bin", "Release", "net10.0", "consumer.dll"), model = Path.Combine(consumer, "model.zip");
        string trained = DotNet.Run(consumer, program, "train", Repository.In("samples"), model);
        string loaded = DotNet.Run(consumer, program, "predict", Repository.In("samples"), model);
        Assert.AreEqual(trained, loaded);
        Assert.HasCount(60, loaded.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [TestMethod]
    public void The_packed_tool_is_installed_and_runs()
    {
        string folder = Directory.CreateDirectory(Path.Combine(s_folder, "tool")).FullName;
        Assert.Contains(ToolId, s_packed.Value);
        DotNet.Run(folder, "tool", "install", ToolId, "--version", Version, "--tool-path", folder, "--add-source", Path.Combine(s_folder, "packages"));
        string program = Directory.EnumerateFiles(folder, "timm-features.dll", SearchOption.AllDirectories).Single();
        Assert.AreEqual("test_resnet\n", DotNet.Run(folder, program, "list", "test_resnet").ReplaceLineEndings("\n"));
    }

    /// <summary>With the formatting package of .NET Interactive, where the feeds have it: what we only name as it wants is found by it.</summary>
    [TestMethod]
    public void The_packed_formatters_are_found_by_the_real_NET_Interactive()
    {
        Assert.Contains("TimmFeatures.Interactive", s_packed.Value);
        string host = WriteConsumer("notebook", """
            <PackageReference Include="TimmFeatures.Interactive" Version="VERSION" />
            <PackageReference Include="Microsoft.DotNet.Interactive.Formatting" Version="1.0.0-beta.26120.1" />
            """, FormattingProgram);
        (int exitCode, string output) = DotNet.TryRun(host, "restore", "--disable-build-servers");
        if (exitCode != 0 && output.Contains("Microsoft.DotNet.Interactive.Formatting"))
            Assert.Inconclusive("The package feeds lack Microsoft.DotNet.Interactive.Formatting.");
        Assert.AreEqual(0, exitCode, output);
        DotNet.Run(host, "build", "-c", "Release", "-v", "quiet", "--disable-build-servers");
        string[] lines = DotNet.Run(host, Path.Combine(host, "bin", "Release", "net10.0", "notebook.dll")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.HasCount(4, lines);
        Assert.StartsWith("""text/html: <img src="data:image/png;base64,iVBORw0KGgo""", lines[0]);
        Assert.AreEqual("text/plain: picture of 64×64 pixels", lines[1]);
        Assert.StartsWith("text/html: <table><thead><tr><th>index</th>", lines[2]);
        Assert.StartsWith("text/plain: index", lines[3]);
    }

    [ClassCleanup]
    public static void DeleteFolder()
    {
        if (s_packed.IsValueCreated)
            Directory.Delete(s_folder, recursive: true);
    }

    /// <summary>Runs the command of docs/deploying.md; the version's suffix alone differs, so that nothing that was restored before is taken for it.</summary>
    private static string[] Pack()
    {
        string packages = Path.Combine(s_folder, "packages");
        const string Command = "pack TimmFeatures.sln -c Release -o ";
        Assert.Contains($"dotnet {Command}packages", File.ReadAllText(Repository.In("docs", "deploying.md")));
        DotNet.Run(Repository.Root, [.. Command.Split(' ', StringSplitOptions.RemoveEmptyEntries), packages, "-p:VersionSuffix=test"]);
        string[] ids = [.. Directory.EnumerateFiles(packages, "*.nupkg").Select(p => Path.GetFileName(p)[..^$".{Version}.nupkg".Length])];
        Assert.IsGreaterThanOrEqualTo(7, ids.Length);
        return ids;
    }

    /// <summary>A package has what its page needs, symbols, no path of this machine and no part of ML.NET.</summary>
    private static void CheckPackage(string id)
    {
        string packages = Path.Combine(s_folder, "packages");
        using ZipArchive package = ZipFile.OpenRead(Path.Combine(packages, $"{id}.{Version}.nupkg"));
        // nuget.org keeps the prefix Microsoft. for itself: ids lack it, assemblies have it.
        string assembly = id == ToolId ? "timm-features" : id.StartsWith("TimmFeatures", StringComparison.Ordinal) && !s_withoutMicrosoftML.Contains(id) ? $"Microsoft.ML.{id}" : id, place = id == ToolId ? "tools/net10.0/any" : "lib/net10.0";
        string[] files = [.. package.Entries.Select(e => e.FullName)];
        Assert.Contains("README.md", files);
        if (id == "TimmFeatures.Interactive")
            Assert.Contains("interactive-extensions/dotnet/extension.dib", files);
        if (id == ToolId)
            Assert.Contains($"{place}/{assembly}.dll", files);
        else
            CollectionAssert.AreEqual(new[] { $"{assembly}.dll" }, files.Where(f => f.StartsWith("lib/") && f.EndsWith(".dll")).Select(Path.GetFileName).ToArray());
        using (var readme = new StreamReader(package.GetEntry("README.md")!.Open()))
            Assert.DoesNotMatchRegex(new Regex(@"\]\((?!http)"), readme.ReadToEnd());
        using Stream nuspec = package.GetEntry($"{id}.nuspec")!.Open();
        XElement metadata = XDocument.Load(nuspec).Root!.Elements().Single(e => e.Name.LocalName == "metadata");
        string[] names = [.. metadata.Elements().Select(e => e.Name.LocalName)];
        foreach (string name in (string[])["license", "readme", "description", "tags", "authors"])
            Assert.Contains(name, names);

        using ZipArchive symbols = ZipFile.OpenRead(Path.Combine(packages, $"{id}.{Version}.snupkg"));
        using var pdb = new MemoryStream();
        using (Stream stream = symbols.GetEntry($"{place}/{assembly}.pdb")!.Open())
            stream.CopyTo(pdb);
        pdb.Position = 0;
        using MetadataReaderProvider provider = MetadataReaderProvider.FromPortablePdbStream(pdb);
        MetadataReader reader = provider.GetMetadataReader();
        string[] sources = [.. reader.Documents.Select(d => reader.GetString(reader.GetDocument(d).Name))];
        Assert.IsNotEmpty(sources);
        Assert.IsEmpty(sources.Where(s => !s.StartsWith("/_")), $"The symbols of {id} name paths of this machine.");
    }

    /// <summary>A project that knows our packages alone, not the repository.</summary>
    private static string WriteConsumer(string name, string references, string program)
    {
        string folder = Directory.CreateDirectory(Path.Combine(s_folder, name)).FullName, packages = Path.Combine(s_folder, "packages");
        // The sources of whoever builds, and the folder for our packages alone.
        string[] sources = [.. DotNet.Run(folder, "nuget", "list", "source", "--format", "short").Split('\n').Where(l => l.StartsWith("E ")).Select(l => l[2..].Trim())];
        File.WriteAllText(Path.Combine(folder, "nuget.config"), $"""
            <configuration>
              <packageSources><clear />{string.Concat(sources.Append(packages).Select((s, i) => $"""<add key="s{i}" value="{s}" />"""))}</packageSources>
              <packageSourceMapping>
                <clear />
                {string.Concat(sources.Select((_, i) => $"""<packageSource key="s{i}"><package pattern="*" /></packageSource>"""))}
                <packageSource key="s{sources.Length}">{string.Concat(s_packed.Value.Select(id => $"""<package pattern="{id}" />"""))}</packageSource>
              </packageSourceMapping>
            </configuration>
            """);
        // Our packages go to a folder of their own, so that a later build under the same version is not mistaken for them.
        string known = DotNet.Run(folder, "nuget", "locals", "global-packages", "--list").Split(' ', 2)[1].Trim();
        File.WriteAllText(Path.Combine(folder, name + ".csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <NuGetAudit>false</NuGetAudit>
                <RestorePackagesPath>{Path.Combine(folder, "restored")}</RestorePackagesPath>
                <RestoreFallbackFolders>{known}</RestoreFallbackFolders>
              </PropertyGroup>
              <ItemGroup>{references.Replace("VERSION", Version)}</ItemGroup>
            </Project>
            """);
        File.WriteAllText(Path.Combine(folder, "Program.cs"), program);
        return folder;
    }
}
