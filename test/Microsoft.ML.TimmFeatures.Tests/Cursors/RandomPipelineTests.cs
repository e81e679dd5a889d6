using Microsoft.ML.Data;
using Microsoft.ML.TimmFeatures.Tests.Support;

namespace Microsoft.ML.TimmFeatures.Tests.Cursors;

/// <summary>
/// The property behind the batching cursor: whatever stands before and after it, however it is read, every row has the values, the
/// position and the id that it has when each row is featurized by itself.
/// </summary>
[TestClass]
public sealed class RandomPipelineTests
{
    private static readonly int s_count = Environment.GetEnvironmentVariable("TIMM_FEATURES_TESTS") == "all" ? 400 : 60;

    [TestMethod]
    public void Batches_give_what_rows_give()
    {
        for (int seed = 0; seed < s_count; seed++)
        {
            try
            {
                Run(seed);
            }
            catch (Exception e)
            {
                throw new AssertFailedException($"Pipeline of seed {seed}: {e.Message}", e);
            }
        }
    }

    private static void Run(int seed)
    {
        var random = new Random(seed);
        var context = new MLContext(seed);
        IDataView source = RandomOperations(context, context.Data.LoadFromEnumerable([.. TinyRow.Many(random.Next(0, 40))]), random);

        using FeaturizerTransformer first = RandomFeaturizer(context, source.Schema, random).Fit(source);
        IDataView one = first.Transform(source);
        using FeaturizerTransformer? second = random.Next(3) == 0 && RandomInput(one.Schema, random) is { } another
            ? context.Transforms.TimmFeatures("More", another, Tiny.Options with { BatchSize = random.Next(1, 6) }).Fit(one)
            : null;
        IDataView view = second?.Transform(one) ?? one;
        Assert.AreSame(view.Schema, view.GetRowCursor([]).Schema);

        string[] names = [.. view.Schema.Where(c => !c.IsHidden).Select(c => c.Name)];
        string[] active = [.. names.Where(_ => random.Next(3) > 0).Append(nameof(TinyRow.Number)).Distinct()];
        int? shuffle = source.CanShuffle && random.Next(3) == 0 ? random.Next() : null;
        List<RowValues> expected = RowByRow(source, first, second, active, Random(shuffle));

        CompareCursor(view, active, expected, shuffle);
        switch (random.Next(4))
        {
            case 0:
                CompareEarlyDisposal(view, active, expected, shuffle, random);
                break;
            case 1 when shuffle is null:
                CompareCursorSet(view, active, expected, random);
                break;
            case 2 when shuffle is null:
                CompareDownstream(context, view, active, expected, seed);
                break;
        }
        CompareCursor(view, active, expected, shuffle);
    }

    private static IEstimator<FeaturizerTransformer> RandomFeaturizer(MLContext context, DataViewSchema schema, Random random)
    {
        string input = RandomInput(schema, random)!;
        // Now and then a column that hides its input.
        string output = random.Next(4) == 0 ? input : "Features";
        FeaturizerOptions options = Tiny.Options with { BatchSize = random.Next(0, 9) };
        return random.Next(3) switch
        {
            0 => context.Transforms.TimmPyramid(output, input, options, outIndices: [1, 3]),
            1 => context.Transforms.TimmNodes([("layer1", output), ("layer2", "Second")], input, options),
            _ => context.Transforms.TimmFeatures(output, input, options),
        };
    }

    // A cache drops what it cannot keep, such as images, and features may hide what they were made from.
    private static string? RandomInput(DataViewSchema schema, Random random)
    {
        string[] inputs = [.. schema.Where(c => !c.IsHidden && (c.Type.RawType == typeof(MLImage) || c.Type is VectorDataViewType { Size: 3 * TinyRow.Size * TinyRow.Size })).Select(c => c.Name)];
        return inputs.Length == 0 ? null : inputs[random.Next(inputs.Length)];
    }

    private static IDataView RandomOperations(MLContext context, IDataView view, Random random)
    {
        for (int i = random.Next(0, 4); i > 0; i--)
        {
            view = random.Next(5) switch
            {
                0 => context.Data.FilterByCustomPredicate<OnlyNumber>(view, r => r.Number % 3 == 0),
                1 => context.Data.ShuffleRows(view, seed: random.Next()),
                2 => context.Data.TakeRows(view, random.Next(1, 30)),
                3 => context.Data.SkipRows(view, random.Next(1, 10)),
                _ => context.Data.Cache(view, nameof(TinyRow.Number), nameof(TinyRow.Tensor)),
            };
        }
        return view;
    }

    private static List<RowValues> RowByRow(IDataView source, FeaturizerTransformer first, FeaturizerTransformer? second, string[] active, Random? random)
    {
        IRowToRowMapper mapper = first.GetRowToRowMapper(source.Schema);
        IRowToRowMapper? more = second?.GetRowToRowMapper(mapper.OutputSchema);
        DataViewSchema last = (more ?? mapper).OutputSchema;
        DataViewSchema.Column[] columns = [.. active.Select(n => last[n])];
        DataViewSchema.Column[] between = more is null ? columns : [.. more.GetDependencies(columns)];
        using DataViewRowCursor cursor = source.GetRowCursor(mapper.GetDependencies(between), random);
        using DataViewRow row = mapper.GetRow(cursor, between);
        using DataViewRow? outer = more?.GetRow(row, columns);
        var reader = new RowReader(outer ?? row, columns);
        var rows = new List<RowValues>();
        while (cursor.MoveNext())
            rows.Add(reader.Read());
        return rows;
    }

    private static void CompareCursor(IDataView view, string[] active, List<RowValues> expected, int? shuffle)
    {
        List<RowValues> actual = Tiny.Read(view, Random(shuffle), active);
        Assert.HasCount(expected.Count, actual);
        for (int i = 0; i < expected.Count; i++)
            expected[i].AssertSame(actual[i]);
    }

    private static void CompareEarlyDisposal(IDataView view, string[] active, List<RowValues> expected, int? shuffle, Random random)
    {
        DataViewSchema.Column[] columns = [.. active.Select(n => view.Schema[n])];
        DataViewRowCursor cursor = view.GetRowCursor(columns, Random(shuffle));
        var reader = new RowReader(cursor, columns);
        int rows = random.Next(0, expected.Count + 1);
        for (int i = 0; i < rows; i++)
        {
            Assert.IsTrue(cursor.MoveNext());
            // Values may be read more than once, or not at all.
            for (int times = random.Next(3); times > 0; times--)
                expected[i].AssertSame(reader.Read());
        }
        cursor.Dispose();
        cursor.Dispose();
    }

    private static void CompareCursorSet(IDataView view, string[] active, List<RowValues> expected, Random random)
    {
        DataViewSchema.Column[] columns = [.. active.Select(n => view.Schema[n])];
        DataViewRowCursor[] cursors = view.GetRowCursorSet(columns, 3);
        RowReader[] readers = [.. cursors.Select(c => new RowReader(c, columns))];
        List<int> running = [.. Enumerable.Range(0, cursors.Length)];
        var found = new Dictionary<DataViewRowId, RowValues>();
        while (running.Count > 0)
        {
            int c = running[random.Next(running.Count)];
            if (cursors[c].MoveNext())
                Add(readers[c].Read());
            else
                running.Remove(c);
        }
        foreach (DataViewRowCursor cursor in cursors)
            cursor.Dispose();
        Assert.HasCount(expected.Count, found);
        foreach (RowValues row in expected)
            row.AssertSame(found[row.Id], comparePosition: false);

        void Add(RowValues row) => found.Add(row.Id, row);
    }

    private static void CompareDownstream(MLContext context, IDataView view, string[] active, List<RowValues> expected, int seed)
    {
        IDataView after = context.Data.TakeRows(context.Data.SkipRows(context.Data.FilterByCustomPredicate<OnlyNumber>(view, r => r.Number % 2 == 0), 1), 7);
        after = context.Data.ShuffleRows(after, seed);
        Dictionary<int, RowValues> known = expected.ToDictionary(r => r.Number);
        // A shuffle keeps rows, and so drops the columns that cannot be kept.
        active = [.. active.Where(n => after.Schema.GetColumnOrNull(n) is not null)];
        List<RowValues> actual = Tiny.Read(after, null, active);
        CollectionAssert.AreEquivalent(expected.Select(r => r.Number).Where(n => n % 2 != 0).Skip(1).Take(7).ToArray(), actual.Select(r => r.Number).ToArray());
        foreach (RowValues row in actual)
        {
            RowValues expectedRow = known[row.Number];
            expectedRow = expectedRow with { Values = expectedRow.Values.Where(v => active.Contains(v.Key)).ToDictionary() };
            expectedRow.AssertSame(row with { Id = expectedRow.Id }, comparePosition: false);
        }
    }

    private static Random? Random(int? seed) => seed is { } value ? new Random(value) : null;

    private sealed class OnlyNumber
    {
        public int Number { get; set; }
    }
}
