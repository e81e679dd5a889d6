using TimmFeatures.Extraction;

namespace TimmFeatures.Cli.Tests;

/// <summary>Rows that outlive the process that computed them.</summary>
[TestClass]
public sealed class JournalTests
{
    [TestMethod]
    public void Wherever_a_journal_is_cut_or_damaged_its_whole_rows_stay()
    {
        using var folder = new TemporaryFolder();
        string file = folder["f.npy"], path = Journal.PathOf(file);
        using (Journal journal = Journal.Open(file, "settings", 3, resume: false))
            Fill(journal, 0);
        byte[] whole = File.ReadAllBytes(path);
        int header = 16 + "settings".Length, row = 8 + 1 + 12, error = 8 + 1 + "row 1: é".Length + 1;
        int[] ends = [header, header + row, header + row + error, header + 2 * row + error];
        Assert.AreEqual(ends[^1], whole.Length);
        for (int length = header; length <= whole.Length; length++)
        {
            File.WriteAllBytes(path, whole[..length]);
            GoesOnAfter(ends.Count(e => e <= length) - 1);
        }
        for (int at = header; at < whole.Length; at++)
        {
            byte[] damaged = [.. whole];
            damaged[at] ^= 0x40;
            File.WriteAllBytes(path, damaged);
            GoesOnAfter(ends.Count(e => e <= at) - 1);
        }

        void GoesOnAfter(int rows)
        {
            using (Journal journal = Journal.Open(file, "settings", 3, resume: true))
            {
                Assert.AreEqual(rows, journal.Count);
                Fill(journal, rows);
                Assert.AreEqual("0,0,0 row 1: é 2,2,2", string.Join(' ', journal.Rows().Select(r => r.Error ?? string.Join(',', r.Values!))));
            }
            CollectionAssert.AreEqual(whole, File.ReadAllBytes(path));
        }
    }

    [TestMethod]
    public void A_journal_is_one_process_s_and_of_one_extraction()
    {
        using var folder = new TemporaryFolder();
        string file = folder["f.npy"];
        using (Journal journal = Journal.Open(file, "settings", 3, resume: true))
        {
            Assert.Contains("another process", Assert.ThrowsExactly<IOException>(() => Journal.Open(file, "settings", 3, resume: true)).Message);
        }
        Assert.IsFalse(File.Exists(Journal.PathOf(file)), "It has no rows.");
        using (Journal journal = Journal.Open(file, "settings", 3, resume: false))
            journal.Add([1, 2, 3]);
        Assert.Contains("other settings", Assert.ThrowsExactly<InvalidDataException>(() => Journal.Open(file, "sittings", 3, resume: true)).Message);
        Assert.Contains("--resume", Assert.ThrowsExactly<IOException>(() => Journal.Open(file, "settings", 3, resume: false)).Message);
        using (Journal journal = Journal.Open(file, "settings", 3, resume: true))
            journal.Delete();
        Assert.IsFalse(File.Exists(Journal.PathOf(file)));
    }

    private static void Fill(Journal journal, int from)
    {
        for (int i = from; i < 3; i++)
        {
            if (i == 1)
                journal.Add("row 1: é");
            else
                journal.Add([i, i, i]);
        }
    }
}
