using TimmFeatures.Extraction;

namespace TimmFeatures.Cli.Tests;

/// <summary>Parts of the work: which ones, what schedulers say, and what is not merged.</summary>
[TestClass]
public sealed class ShardTests
{
    [TestMethod]
    [DataRow("3/16", "", 3, 16)]
    [DataRow("auto", "SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_STEP=1", 2, 4)]
    [DataRow("auto", "SLURM_ARRAY_TASK_ID=4 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=1", 3, 4)]
    [DataRow("auto", "JOB_COMPLETION_INDEX=0 JOB_COMPLETIONS=3", 0, 3)]
    [DataRow("auto", "AWS_BATCH_JOB_ARRAY_INDEX=9 AWS_BATCH_JOB_ARRAY_SIZE=10", 9, 10)]
    public void A_shard_is_given_or_taken_from_the_scheduler(string text, string environment, int index, int count)
        => Assert.AreEqual(new Shard(index, count), Shard.Parse(text, Variables(environment)));

    [TestMethod]
    [DataRow("4/4", "", "i from 0 to n - 1")]
    [DataRow("-1/4", "", "'-1/4'")]
    [DataRow("1", "", "i/n")]
    [DataRow("auto", "", "SLURM_ARRAY_TASK_ID")]
    [DataRow("auto", "SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_COUNT=1 SLURM_ARRAY_TASK_MIN=3", "a part of an array")]
    [DataRow("auto", "SLURM_ARRAY_TASK_ID=4 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_STEP=2", "steps of 2")]
    [DataRow("auto", "SLURM_ARRAY_TASK_ID=5 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MIN=1", "scontrol requeue")]
    [DataRow("auto", "JOB_COMPLETION_INDEX=2", "completions")]
    [DataRow("auto", "AWS_BATCH_JOB_ARRAY_INDEX=x AWS_BATCH_JOB_ARRAY_SIZE=2", "'x'")]
    public void What_divides_the_images_otherwise_is_refused(string text, string environment, string message)
        => Assert.Contains(message, Assert.ThrowsExactly<UsageException>(() => Shard.Parse(text, Variables(environment))).Message);

    [TestMethod]
    public void Shards_are_all_images_once()
    {
        foreach ((int images, int count) in ((int, int)[])[(0, 3), (2, 5), (12, 5), (1_000_003, 7), (int.MaxValue, 1000)])
        {
            int next = 0;
            for (int i = 0; i < count; i++)
            {
                (int first, int end) = new Shard(i, count).RangeOf(images);
                Assert.AreEqual(next, first);
                Assert.IsInRange(images / count, images / count + 1, end - first);
                next = end;
            }
            Assert.AreEqual(images, next);
        }
        Assert.AreEqual("/x/out-00003-of-00016.parquet", new Shard(3, 16).FileOf("/x/out.parquet"));
    }

    [TestMethod]
    public void Merge_refuses_what_is_not_all_of_one_extraction()
    {
        using var images = new ImageSet();
        string file = images["f.csv"];
        string Part(int i, int n) => new Shard(i, n).FileOf(file);
        void Extract(int i, int n, params string[] more) => Tool.Succeed(ImageSet.Extract(file, [images.Folder, "--bad-images", "skip", "--shard", $"{i}/{n}", .. more]));
        Tool.Fail(1, ["merge", "-o", file], "There are no shards", "'f-…-of-….csv'");
        Extract(0, 3);
        Extract(2, 3);
        Tool.Fail(1, ["merge", "-o", file], "Of 3 shards 1 is missing", "1.");
        Extract(1, 3, "--exif");
        Tool.Fail(1, ["merge", "-o", file], "of another extraction", "apply_exif is true there and false here");
        Extract(1, 3);
        Tool.Fail(2, ["merge", Part(0, 3), Part(1, 3), Part(2, 3), "-o", Part(0, 3)], $"'{Part(0, 3)}' is what is read, and would be overwritten");
        Tool.Fail(1, ["merge", Part(0, 3), Part(0, 3), Part(1, 3), Part(2, 3), "-o", file], "Shard 0 of 3 is there twice");
        Extract(0, 2);
        Tool.Fail(1, ["merge", "-o", file], "2 and of 3 parts");
        Tool.Fail(1, ["merge", Part(0, 2), Part(1, 3), Part(2, 3), "-o", file], "one of 3 shards");

        File.WriteAllLines(Part(1, 3), File.ReadAllLines(Part(1, 3))[..^1]);
        Tool.Fail(1, ["merge", images["f-*-of-00003.csv"], "-o", file], $"'{Part(1, 3)}' is not as it was written");
        File.Delete(ExtractionReport.PathOf(Part(1, 3)));
        Tool.Fail(1, ["merge", images["f-*-of-00003.csv"], "-o", file], "has no report");
        Assert.IsFalse(File.Exists(file));
    }

    private static Func<string, string?> Variables(string text)
    {
        Dictionary<string, string> all = text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(v => v.Split('=')).ToDictionary(v => v[0], v => v[1]);
        return name => all.GetValueOrDefault(name);
    }
}
