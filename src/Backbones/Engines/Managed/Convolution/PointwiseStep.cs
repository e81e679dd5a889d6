namespace Backbones.Engines.Managed;

/// <summary>Linear layers and 1×1 convolutions: the product reads the rows of the input in place.</summary>
internal sealed unsafe class PointwiseStep<T>(ValueView input, PackedMatrix<T> weights, ValueView result, ProductEpilogue<T> epilogue)
    : ProductStep<T>(weights, result, epilogue) where T : struct, IVector<T>
{
    private readonly RowLayout _rows = input.Rows() ?? throw new ArgumentException("The rows of the input must be equally far apart.", nameof(input));

    protected override float* Rows(RunContext context, int worker, int group, long firstRow, int rows, int k, int length, out nint distance)
    {
        distance = (nint)_rows.Distance;
        return context.Address(input) + firstRow * _rows.Distance + group * Weights.K + k;
    }
}
