namespace Backbones.Engines.Managed;

/// <summary>One operation of a plan. Steps are immutable after planning: what changes from run to run is in the <see cref="RunContext"/>.</summary>
internal abstract class Step
{
    /// <summary>Multiply-adds for each batch item, for measurements; 0 where memory is what counts.</summary>
    public virtual long MultiplyAdds => 0;

    /// <summary>Scratch floats that each worker needs.</summary>
    public virtual long WorkerScratch => 0;

    /// <summary>Scratch floats shared by all workers, for a run of that many batch items.</summary>
    public virtual long SharedScratch(int batch) => 0;

    /// <summary>Runs the step for the whole batch, sharing pieces through <see cref="RunContext.Share(Step, int, int)"/>.</summary>
    public abstract void Execute(RunContext context);

    /// <summary>Runs one piece of one phase.</summary>
    public abstract void RunPiece(RunContext context, int phase, int index, int worker);
}

/// <summary>Splits simple loops into pieces for the threads.</summary>
internal static class Pieces
{
    /// <summary>Floats below which a piece is not worth handing over.</summary>
    private const long MinWork = 16 * 1024;

    /// <summary>Number of pieces for <paramref name="units"/> units of <paramref name="unitWork"/> floats each.</summary>
    public static int Count(long units, long unitWork, int threads)
        => (int)Math.Clamp(Math.Min(units * unitWork / MinWork, threads * 4L), 1, Math.Max(1, units));

    /// <summary>
    /// Row and column of a piece of a grid: the pieces of each worker's range (<see cref="Job"/>) are whole rows, as the steps before and after divide them, and among these one column follows another, so
    /// that neighbouring pieces use the same weights.
    /// </summary>
    public static (int Row, int Column) Place(int rows, int columns, int threads, int index)
    {
        int ranges = Math.Min(rows, threads), range = 0, first = 0, end = First(1);
        while (index >= end * columns)
            (first, end) = (end, First(++range + 1));
        return (first + (index - first * columns) % (end - first), (index - first * columns) / (end - first));

        int First(int r) => (int)((long)rows * r / ranges);
    }

    /// <summary>First and past-the-last unit of a piece.</summary>
    public static (long First, long End) Range(long units, int pieces, int index) => (units * index / pieces, units * (index + 1) / pieces);
}
