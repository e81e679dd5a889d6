namespace Backbones.Engines.Managed;

/// <summary>One operation of a plan. Steps are immutable after planning: what changes from run to run is in the <see cref="RunContext"/>.</summary>
internal abstract class Step
{
    /// <summary>Multiply-adds for each batch item, for measurements; 0 where memory is what counts.</summary>
    public virtual long MultiplyAdds => 0;

    /// <summary>Scratch floats that each worker needs.</summary>
    public virtual long WorkerScratch(int threads) => 0;

    /// <summary>Scratch floats shared by all workers, for a run of that many batch items.</summary>
    public virtual long SharedScratch(int batch) => 0;

    /// <summary>Runs the step for the whole batch, sharing pieces through <see cref="RunContext.Share"/>.</summary>
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

    /// <summary>First and past-the-last unit of a piece.</summary>
    public static (long First, long End) Range(long units, int pieces, int index) => (units * index / pieces, units * (index + 1) / pieces);
}
