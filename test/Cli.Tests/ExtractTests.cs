using System.Formats.Tar;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Apache.Arrow;
using Apache.Arrow.Ipc;
using Backbones;
using Backbones.Weights;
using DuckDB.NET.Data;
using Microsoft.ML;
using Microsoft.ML.Data;
using TimmFeatures.Extraction;
using TimmFeatures.Extraction.Files;

namespace TimmFeatures.Cli.Tests;

/// <summary>From images to files of features.</summary>
[TestClass]
public sealed class ExtractTests
{
    public static IEnumerable<string[]> Extensions => [["parquet"], ["npy"], ["npz"], ["safetensors"], ["csv"], ["arrow"], ["idv"]];

    /// <summary>The heart of it: threads, batches and shards change no byte, and what is merged is what one machine writes, with its report.</summary>
    [TestMethod]
    [DynamicData(nameof(Extensions))]
    public void Files_do_not_depend_on_threads_batches_and_shards(string extension)
    {
        using var images = new ImageSet();
        string whole = images[$"whole.{extension}"], sharded = images[$"sharded.{extension}"];
        Tool.Succeed(ImageSet.Extract(whole, images.Folder, "--bad-images", "skip", "--threads", "3", "--batch", "2"));
        for (int i = 0; i < 5; i++)
            Tool.Succeed(ImageSet.Extract(sharded, images.Folder, "--bad-images", "skip", "--threads", "1", "--batch", "4", "--shard", $"{i}/5"));
        JsonElement merged = Tool.Json("merge", "-o", sharded);
        Assert.AreEqual((5, ImageSet.Count, 1), (merged.GetProperty("shards").GetInt32(), merged.GetProperty("rows").GetInt32(), merged.GetProperty("failed").GetInt32()));
        AssertSameBytes(whole, sharded);
        AssertSameBytes(ExtractionReport.PathOf(whole), ExtractionReport.PathOf(sharded));
        Assert.IsEmpty(Directory.EnumerateFiles(Path.GetDirectoryName(whole)!, "*.partial").Concat(Directory.EnumerateFiles(Path.GetDirectoryName(whole)!, "*.tmp")));

        // What is read back is what was computed.
        ExtractionReport report = ExtractionReport.Read(whole);
        FeatureRow[] rows = [.. report.Open(whole).Rows().Select(r => r with { Values = r.Values.ToArray() })];
        CollectionAssert.AreEqual(images.Names, rows.Select(r => r.Path).ToArray());
        for (int i = 0; i < rows.Length; i++)
        {
            if (i == ImageSet.Bad)
                Assert.Contains("The image is cut off", rows[i].Error!);
            else
                CollectionAssert.AreEqual(Expected(images.Names[i]), rows[i].Values.ToArray(), images.Names[i]);
        }
        Assert.AreEqual(new ImageFailure(ImageSet.Bad, images.Names[ImageSet.Bad], rows[ImageSet.Bad].Error!), report.Failures.Single());
    }

    [TestMethod]
    public void DuckDB_reads_vectors_as_lists_and_failed_rows_as_null()
    {
        using var images = new ImageSet();
        Tool.Succeed(ImageSet.Extract(images["f.parquet"], images.Folder, "--bad-images", "skip"));
        using var connection = new DuckDBConnection("DataSource=:memory:");
        connection.Open();
        Query($"CREATE VIEW f AS SELECT * FROM '{images["f.parquet"]}'");
        Assert.AreEqual("FLOAT[]", Query("SELECT typeof(features) FROM f LIMIT 1"));
        Assert.AreEqual("11,96,96", Query("SELECT concat_ws(',', count(features), min(len(features)), max(len(features))) FROM f"));
        Assert.AreEqual(images.Names[ImageSet.Bad], Query("SELECT path FROM f WHERE features IS NULL AND error IS NOT NULL"));
        // The pictures go round after eight: 0 and 8 are the same. What is null is near nothing.
        Assert.AreEqual(images.Names[8], Query("""
            SELECT b.path FROM f a, f b WHERE a.path LIKE '%/a/00.jpg' AND b.path <> a.path
            ORDER BY array_cosine_similarity(a.features::FLOAT[96], b.features::FLOAT[96]) DESC NULLS LAST LIMIT 1
            """));
        float[] first = Expected(images.Names[0]);
        Assert.AreEqual(first[7].ToString("R", CultureInfo.InvariantCulture), Query("SELECT features[8]::VARCHAR FROM f LIMIT 1"));
        Assert.AreEqual("test_resnet.textures16", Query($"SELECT json_extract_string(decode(value), '$.model') FROM parquet_kv_metadata('{images["f.parquet"]}') WHERE decode(key) = 'timm_features'"));

        Tool.Succeed("extract", "test_resnet", images.Folder, "--weights", Tool.DemoWeights, "--bad-images", "skip", "-o", images["f.csv"]);
        Assert.AreEqual("11,12", Query($"SELECT concat_ws(',', count(features_0), count(*)) FROM '{images["f.csv"]}'"));

        string Query(string sql)
        {
            using DuckDBCommand command = connection.CreateCommand();
            command.CommandText = sql;
            return Convert.ToString(command.ExecuteScalar(), CultureInfo.InvariantCulture)!;
        }
    }

    /// <summary>Data sets have them; left out, rows would be missing and nobody told.</summary>
    [TestMethod]
    public void Links_in_a_tar_archive_are_the_files_that_they_lead_to()
    {
        using var images = new ImageSet();
        string tar = images["links.tar"], file = images["f.npy"];
        using (var writer = new TarWriter(File.Create(tar), TarEntryFormat.Pax))
        {
            Link("early.jpg", TarEntryType.SymbolicLink, "./a/../a/00.jpg");
            foreach (string name in (string[])["./a/00.jpg", "a/01.jpg"])
                writer.WriteEntry(Path.Combine(images.Folder, name), name);
            Link("b/hard.jpg", TarEntryType.HardLink, "a/01.jpg");
            Link("b/far.jpg", TarEntryType.SymbolicLink, "../early.jpg");
            Link("b/gone.jpg", TarEntryType.SymbolicLink, "gone.jpg");
            Link("out.jpg", TarEntryType.SymbolicLink, $"{images.Folder}/a/00.jpg");
            Link("above.jpg", TarEntryType.SymbolicLink, "../a/00.jpg");
            Link("round.jpg", TarEntryType.SymbolicLink, "round.jpg");
            writer.WriteEntry(new PaxTarEntry(TarEntryType.Fifo, "pipe.jpg"));
            writer.WriteEntry(new PaxTarEntry(TarEntryType.Directory, "folder.jpg"));
            Link("notes.txt", TarEntryType.SymbolicLink, "nowhere");

            void Link(string name, TarEntryType type, string target) => writer.WriteEntry(new PaxTarEntry(type, name) { LinkName = target });
        }
        Tool.Fail(ExitCode.BadImage, ImageSet.Extract(file, tar), "Image 6 of 10", "b/gone.jpg", "It is a link to 'gone.jpg', which leads to no file of the archive.");
        Tool.Succeed(ImageSet.Extract(file, tar, "--bad-images", "skip", "--resume"));
        ExtractionReport report = ExtractionReport.Read(file);
        (string Path, float[] Values)[] rows = [.. report.Open(file).Rows().Select(r => (r.Path, r.Values.ToArray()))];
        string[] names = [.. rows.Select(r => r.Path[(tar.Length + 1)..])];
        CollectionAssert.AreEqual(new[] { "early.jpg", "./a/00.jpg", "a/01.jpg", "b/hard.jpg", "b/far.jpg", "b/gone.jpg", "out.jpg", "above.jpg", "round.jpg", "pipe.jpg" }, names);
        float[] first = Expected(images.Names[0]), second = Expected(images.Names[1]);
        CollectionAssert.AreEqual((float[])[.. first, .. first, .. second, .. second, .. first], rows.Take(5).SelectMany(r => r.Values).ToArray());
        CollectionAssert.AreEqual(names[5..], report.Failures.Select(f => f.Path[(tar.Length + 1)..]).ToArray());
        Assert.AreEqual("It is no file in the archive but an entry of the type Fifo.", report.Failures[^1].Error);
    }

    [TestMethod]
    public void A_model_whose_input_is_no_picture_is_told_of_before_any_picture()
    {
        using var images = new ImageSet();
        Tool.Fail(ExitCode.Failure, ["extract", "test_resnet", images.Folder, "--random-weights", "--model-args", "{\"in_chans\": 5}", "--bad-images", "skip", "-o", images["f.npy"]], "asked for were 5", "Models with other inputs take tensors");
        Assert.IsFalse(File.Exists(images["f.npy"]));
    }

    [TestMethod]
    public void A_failed_row_is_null_or_NaN_in_every_format_and_never_zeros()
    {
        using var images = new ImageSet();
        string File(string extension) => images[$"f.{extension}"];
        foreach (string[] extension in Extensions)
            Tool.Succeed(ImageSet.Extract(File(extension[0]), images.Folder, "--bad-images", "skip"));

        using (var reader = new ArrowFileReader(System.IO.File.OpenRead(File("arrow"))))
        {
            var list = (FixedSizeListArray)reader.ReadNextRecordBatch().Column("features");
            Assert.AreEqual(1, list.NullCount);
            Assert.IsTrue(list.IsNull(ImageSet.Bad));
        }
        using (SafetensorsFile safetensors = SafetensorsFile.Open(File("safetensors")))
        {
            float[] valid = safetensors.Tensors.Single(t => t.Name == "valid").ToArray(), features = safetensors.Tensors.Single(t => t.Name == "features").ToArray();
            CollectionAssert.AreEqual(Enumerable.Range(0, ImageSet.Count).Select(i => i == ImageSet.Bad ? 0f : 1f).ToArray(), valid);
            AssertOnlyBadIsNaN(features);
        }
        AssertOnlyBadIsNaN([.. new MLContext().Data.LoadFromBinary(File("idv")).GetColumn<float[]>("features").SelectMany(v => v)]);
        byte[] npy = System.IO.File.ReadAllBytes(File("npy"));
        Assert.AreEqual("{'descr': '<f4', 'fortran_order': False, 'shape': (12, 96), }", System.Text.Encoding.ASCII.GetString(npy, 10, 118).TrimEnd());
        AssertOnlyBadIsNaN(System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(npy.AsSpan(128)).ToArray());
        string row = System.IO.File.ReadAllLines(File("csv"))[ImageSet.Bad + 1];
        Assert.EndsWith(new string(',', 96), row);

        static void AssertOnlyBadIsNaN(float[] features)
            => CollectionAssert.AreEqual(Enumerable.Range(0, features.Length).Select(i => i / 96 == ImageSet.Bad).ToArray(), features.Select(float.IsNaN).ToArray());
    }

    [TestMethod]
    public void Images_come_from_folders_patterns_lists_tables_and_archives()
    {
        using var images = new ImageSet();
        File.Delete(images.Names[ImageSet.Bad]);
        string[] names = [.. images.Names.Where((_, i) => i != ImageSet.Bad)];
        File.WriteAllLines(images["table.csv"], ["label,file", .. names.Select((n, i) => $"\"a, b {i}\",{Path.GetRelativePath(images.Folder, n)}")]);
        float[][] expected = Features([images.Folder]);
        Assert.HasCount(names.Length, expected);
        AssertSame(expected, Features([Path.Combine(images.Folder, "a"), Path.Combine(images.Folder, "b/*.jpg")]));
        AssertSame(expected, Features([Path.Combine(images.Folder, "**/*.jpg")]));
        AssertSame(expected, Features(names));
        AssertSame(expected, Features(["-"], string.Join('\n', names)));
        AssertSame(expected, Features(["-", "--image-folder", images.Folder], string.Join("\r\n", names.Select(n => Path.GetRelativePath(images.Folder, n)))));
        AssertSame(expected, Features([images["table.csv"], "--image-folder", images.Folder]));
        AssertSame(expected, Features([images["table.csv"], "--image-folder", images.Folder, "--path-column", "file"]));
        foreach (string archive in (string[])[images.Zip(), images.Tar()])
        {
            float[][] packed = Features([archive]);
            FeatureRow[] rows = [.. ExtractionReport.Read(images["f.npy"]).Open(images["f.npy"]).Rows()];
            int[] order = [.. rows.Select(r => System.Array.IndexOf(names, r.Path.Replace(archive, images.Folder)))];
            Assert.HasCount(names.Length, order.Distinct().Where(o => o >= 0));
            AssertSame([.. order.Select(o => expected[o])], packed);
        }

        float[][] Features(string[] arguments, string input = "")
        {
            Tool run = Tool.Run(ImageSet.Extract(images["f.npy"], arguments), input);
            Assert.AreEqual(0, run.ExitCode, run.Error);
            return [.. ExtractionReport.Read(images["f.npy"]).Open(images["f.npy"]).Rows().Select(r => r.Values.ToArray())];
        }

        static void AssertSame(float[][] expected, float[][] received) => CollectionAssert.AreEqual(expected.SelectMany(f => f).ToArray(), received.SelectMany(f => f).ToArray());
    }

    [TestMethod]
    public void Each_of_timms_mechanisms_has_its_columns()
    {
        using var images = new ImageSet();
        Assert.AreEqual("logits[16]", Columns("--logits"));
        Assert.AreEqual("features[96,5,5]", Columns("--unpooled"));
        Assert.AreEqual("features[192]", Columns("--pool", "catavgmax"));
        Assert.AreEqual("level_1[32,40,40]/4 level_4[96,5,5]/32", Columns("--pyramid", "--indices", "-1,1"));
        Assert.AreEqual("level_4[96,10,10]/16", Columns("--pyramid", "--indices=4", "--output-stride", "16"));
        Assert.AreEqual("block_3[192,10,10]/16 block_4[96,5,5]/32", Columns("--intermediates", "--indices", "3,4"));
        Assert.AreEqual("layer1.0.conv1[32,40,40] fc[16]", Columns("--nodes", "layer1.0.conv1, fc"));
        Assert.AreEqual("features[96]", Columns("--image-size", "64", "--random-weights"));
        Columns("--intermediates", "--indices=-1", "--norm");
        Assert.AreEqual("""{"kind":"intermediates","indices":[-1],"norm":true,"return_prefix_tokens":false,"output_format":"nchw","stop_early":false,"intermediates_only":true}""",
            JsonNode.Parse(File.ReadAllText(ExtractionReport.PathOf(images["f.npz"])))!["settings"]!["selection"]!.ToJsonString());

        string Columns(params string[] arguments)
        {
            string[] weights = arguments.Contains("--random-weights") ? [] : ["--weights", Tool.DemoWeights];
            JsonElement done = Tool.Json(["extract", "test_resnet", images.Names[0], "-o", images["f.npz"], .. weights, .. arguments]);
            return string.Join(' ', done.GetProperty("outputs").EnumerateArray().Select(o => $"{o.GetProperty("name").GetString()}[{string.Join(",", o.GetProperty("shape").EnumerateArray())}]"
                + (o.TryGetProperty("reduction", out JsonElement reduction) ? $"/{reduction}" : "")));
        }
    }

    [TestMethod]
    public void A_bad_image_ends_the_run_and_what_was_done_before_it_stays()
    {
        using var images = new ImageSet();
        string file = images["f.parquet"], whole = images["whole.parquet"];
        Tool.Fail(ExitCode.BadImage, ImageSet.Extract(file, images.Folder), "Image 10 of 12", images.Names[ImageSet.Bad], "--bad-images skip", "9 images before it are done");
        Assert.IsFalse(File.Exists(file));
        Tool.Fail(ExitCode.Failure, ImageSet.Extract(file, images.Folder), "unfinished extraction", "--resume");
        Tool.Fail(ExitCode.Failure, ImageSet.Extract(file, images.Folder, "--resume", "--logits"), "other settings or other images");
        Tool.Fail(ExitCode.Failure, ImageSet.Extract(file, images.Names[0], "--resume"), "other settings or other images");
        JsonElement done = Tool.Json(ImageSet.Extract(file, images.Folder, "--resume", "--bad-images", "skip"));
        Assert.AreEqual((12, 1, 3), (done.GetProperty("rows").GetInt32(), done.GetProperty("failed").GetInt32(), done.GetProperty("computed").GetInt32()));
        Tool.Succeed(ImageSet.Extract(whole, images.Folder, "--bad-images", "skip"));
        AssertSameBytes(whole, file);

        // Complete: nothing is left to do, but for other settings.
        DateTime written = File.GetLastWriteTimeUtc(file);
        Assert.AreEqual(0, Tool.Json(ImageSet.Extract(file, images.Folder, "--resume", "--bad-images", "skip")).GetProperty("computed").GetInt32());
        Assert.AreEqual(written, File.GetLastWriteTimeUtc(file));
        Tool.Fail(ExitCode.Failure, ImageSet.Extract(file, images.Folder, "--resume", "--logits"), "another extraction", "selection is");
    }

    /// <summary>Whoever mends the image and asks again must not be told of an unfinished run.</summary>
    [TestMethod]
    public void A_run_that_did_nothing_leaves_nothing()
    {
        using var images = new ImageSet();
        string file = images["f.csv"];
        Tool.Fail(ExitCode.BadImage, ImageSet.Extract(file, images.Names[ImageSet.Bad]), "Image 1 of 1", "is left without features.\n");
        Assert.IsFalse(File.Exists($"{file}.partial"));
        using var stopped = new CancellationTokenSource();
        stopped.Cancel();
        Assert.AreEqual("Interrupted: none of 1 images is done.\n", Tool.Run(ImageSet.Extract(file, images.Names[0]), cancellation: stopped.Token).Error);
        Tool.Succeed(ImageSet.Extract(file, images.Names[0]));
    }

    [TestMethod]
    public void Tables_are_not_replaced_by_what_is_made_of_them()
    {
        using var images = new ImageSet();
        string table = images["list.csv"], text = $"path,label\n{images.Names[0]},cat\n";
        File.WriteAllText(table, text);
        Tool.Fail(ExitCode.Usage, ImageSet.Extract(table, table), $"'{table}' is what is read, and would be overwritten");
        Tool.Fail(ExitCode.Usage, ImageSet.Extract(Path.Combine(images.Folder, "..", "list.csv"), table), "would be overwritten");
        if (!OperatingSystem.IsWindows())
        {
            File.CreateSymbolicLink(images["link.csv"], table);
            Tool.Fail(ExitCode.Usage, ImageSet.Extract(images["link.csv"], table), "would be overwritten");
            Tool.Fail(ExitCode.Usage, ImageSet.Extract(table, images["link.csv"]), "would be overwritten");
        }
        Assert.AreEqual(text, File.ReadAllText(table));

        // So are the tables beside arrays, from which the next extraction may start.
        string arrays = images["f.npy"];
        Tool.Succeed(ImageSet.Extract(arrays, table));
        Tool.Fail(ExitCode.Usage, ImageSet.Extract(arrays, $"{arrays}.rows.csv"), "'" + arrays + ".rows.csv' is what is read");
        Tool.Succeed(ImageSet.Extract(images["g.npy"], $"{arrays}.rows.csv"));
    }

    [TestMethod]
    public void Tables_that_cannot_be_read_are_named()
    {
        using var images = new ImageSet();
        string table = images["list.csv"];
        foreach (string text in new[] { "path,label\na.jpg\n", "path,label\n\"a.jpg,1\n", "path,path\na.jpg,b.jpg\n" })
        {
            File.WriteAllText(table, text);
            Tool.Fail(ExitCode.Failure, ImageSet.Extract(images["f.csv"], table), $"'{table}' is no table that can be read: ");
        }
        File.WriteAllText(table, $"path,label\n{new string('x', 100_000)}\n");
        Assert.IsLessThan(500 + table.Length, Tool.Run(ImageSet.Extract(images["f.csv"], table)).Error.Length);
        File.WriteAllText(table, "path\na.jpg\n");
        Tool.Fail(ExitCode.Failure, ImageSet.Extract(images["f.csv"], table, "--image-folder", images["nowhere"]), $"There is no folder '{images["nowhere"]}', from which relative paths");
    }

    [TestMethod]
    public void A_node_that_is_named_twice_is_one_column()
    {
        using var images = new ImageSet();
        foreach (string ending in new[] { ".npz", ".safetensors", ".csv", ".npy" })
            Assert.AreEqual(1, Tool.Json(ImageSet.Extract(images[$"f{ending}"], images.Names[0], "--nodes", "layer4,layer4")).GetProperty("outputs").GetArrayLength(), ending);
    }

    /// <summary>A missing file is told of under the name that it has in the list, not under a place where nobody looked.</summary>
    [TestMethod]
    public void A_missing_image_of_a_table_is_told_of_by_its_name()
    {
        using var images = new ImageSet();
        File.WriteAllLines(images["t.csv"], ["path", "a/00.jpg", "a/none.jpg"]);
        string folder = Path.GetRelativePath(Environment.CurrentDirectory, images.Folder);
        Tool.Succeed(ImageSet.Extract(images["f.csv"], images["t.csv"], "--image-folder", folder, "--bad-images", "skip"));
        Assert.AreEqual("Could not find file 'a/none.jpg'.", ExtractionReport.Read(images["f.csv"]).Failures[0].Error);
    }

    [TestMethod]
    public void What_cannot_work_is_said_before_anything_is_computed()
    {
        using var images = new ImageSet();
        Tool.Fail(1, ImageSet.Extract(images["f.xlsx"], images.Folder), "'.xlsx'", ".parquet");
        Tool.Fail(1, ImageSet.Extract(images["f.npy"], images.Folder, "--pyramid"), "holds one array", ".npz");
        Tool.Fail(1, ImageSet.Extract(images["f.csv"], images.Folder, "--pyramid"), "65536");
        Directory.CreateDirectory(images["folder.npy"]);
        foreach (string[] verb in (string[][])[ImageSet.Extract(images["folder.npy"], images.Folder), ["export", Tool.DemoModel, "--weights", Tool.DemoWeights, "--onnx", images["folder.npy"]]])
            Tool.Fail(1, verb, $"'{images["folder.npy"]}' is a folder; expected the name of a file to write.");
        string below = Path.Combine(images.Names[0], "f.npy");
        Tool.Fail(1, ImageSet.Extract(below, images.Folder), $"'{below}' cannot be written: '{images.Names[0]}' is a file, not a folder.");
        Tool.Fail(1, ["convert", Tool.DemoWeights, "-o", images.Names[0]], $"'{images.Names[0]}' is a file, not a folder.");
        // Before anything is computed, so that nothing of it is left.
        Assert.IsFalse(File.Exists($"{images["folder.npy"]}.partial"));
        Tool.Fail(2, ["extract", images.Folder, "resnet18.a1_in1k", "-o", images["f.npy"]], "'resnet18.a1_in1k' is a model and", "expected the model first");
        Tool.Fail(1, ImageSet.Extract(images["f.npy"], Path.Combine(images.Folder, "a", "notes.txt"), "--bad-images", "skip"), "is no image; a list of paths is given on standard input");
        Tool.Fail(1, ImageSet.Extract(images["f.npy"], "nowhere"), "There is no file or folder 'nowhere'");
        Tool.Fail(1, ImageSet.Extract(images["f.npy"], Path.Combine(images.Folder, "*.png")), "has no images");
        Tool.Fail(1, ImageSet.Extract(images["f.npy"], "-"), "standard input has no images");
        Tool.Fail(1, ["extract", "resnet5", images.Folder, "-o", images["f.npy"]], "'resnet50'");
        Tool.Fail(2, ["extract", "resnet50", images.Folder], "--output");
        Tool.Fail(2, ImageSet.Extract(images["f.npy"], images.Folder, "--shard", "4/4"), "--shard '4/4'", "i/n");
        Tool.Fail(2, ImageSet.Extract(images["f.npy"], images.Folder, "--bad-images", "drop"), "--bad-images 'drop' is not valid; expected fail, skip.");
        Tool.Fail(1, ImageSet.Extract(images["f.npy"], images.Folder, "--precision", "float16"), "precision float16");
        File.WriteAllLines(images["t.csv"], ["name;label", "a;b"]);
        Tool.Fail(1, ImageSet.Extract(images["f.npy"], images["t.csv"]), "'name', 'label'", "--path-column");
        Tool.Fail(2, ImageSet.Extract(images["f.npy"], images.Folder, "--path-column", "name"), "'name'", "there is no table");
        Tool.Fail(2, ImageSet.Extract(images["f.npy"], images.Folder, "--image-folder", images.Folder), "neither a table");
        Tool.Fail(2, ImageSet.Extract(images["t.csv"], images["t.csv"], "--path-column", "name;label", "--bad-images", "skip"), "is what is read, and would be overwritten");
        Assert.AreEqual("name;label", File.ReadLines(images["t.csv"]).First());
        File.WriteAllText(images["a.tgz"], "x");
        Tool.Fail(1, ImageSet.Extract(images["f.npy"], images["a.tgz"]), "compressed archive", ".zip");
        File.WriteAllText(images["a.zip"], "x");
        Tool.Fail(1, ImageSet.Extract(images["f.npy"], images["a.zip"]), $"'{images["a.zip"]}' is no zip archive");
        File.WriteAllText(images["a.tar"], "x");
        Tool.Fail(1, ImageSet.Extract(images["f.npy"], images["a.tar"]), $"'{images["a.tar"]}' is no tar archive");
        Assert.IsEmpty(Directory.EnumerateFiles(Path.GetDirectoryName(images["f.npy"])!, "f.*"));
    }

    /// <summary>A culture whose decimal point is a comma.</summary>
    [TestMethod]
    public void Nothing_written_depends_on_the_culture()
    {
        using var images = new ImageSet();
        Tool.Succeed(ImageSet.Extract(images["a.csv"], images.Names[0], images.Names[1]));
        string info = Tool.Succeed("info", "resnet50").Out, json = Tool.Succeed("info", "resnet50", "--json").Out;
        CultureInfo before = CultureInfo.CurrentCulture;
        try
        {
            var culture = (CultureInfo)CultureInfo.InvariantCulture.Clone();
            (culture.NumberFormat.NumberDecimalSeparator, culture.NumberFormat.NegativeSign) = (",", "−");
            CultureInfo.CurrentCulture = culture;
            Tool.Succeed(ImageSet.Extract(images["b.csv"], images.Names[0], images.Names[1]));
            Assert.AreEqual(info, Tool.Succeed("info", "resnet50").Out);
            Assert.AreEqual(json, Tool.Succeed("info", "resnet50", "--json").Out);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
        AssertSameBytes(images["a.csv"], images["b.csv"]);
    }

    public static void AssertSameBytes(string expected, string received) => Assert.IsTrue(File.ReadAllBytes(expected).AsSpan().SequenceEqual(File.ReadAllBytes(received)), $"'{received}' differs from '{expected}'.");

    private static readonly Lazy<FeatureExtractor> s_extractor = new(() => Backbone.Create("test_resnet", new BackboneOptions { WeightsPath = Tool.DemoWeights }).Extract(FeatureSelection.Pooled()));

    private static float[] Expected(string image) => s_extractor.Value.Run(ImagePixels.Load(image))[0].Values.ToArray();
}
