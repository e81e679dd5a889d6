using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>
/// The rows whose value of a column is in a range, or (with complement) out of it. A key counts as the middle of its share of 0 to 1;
/// rows with a missing key or NaN are never given.
/// </summary>
internal sealed class RangeFilter : RowFilterBase
{
    private readonly DataViewSchema.Column _column;
    private readonly Range _range;

    public RangeFilter(IHostEnvironment env, IDataView source, string column, Range range) : base(env, nameof(RangeFilter), source)
    {
        _column = source.Schema[column];
        if (!IsValidType(_column.Type))
            throw Host.ExceptUserArg(nameof(column), $"Column '{column}' does not have compatible type: it is {_column.Type}, and a range needs Single, Double or a key.");
        Host.CheckUserArg(range.Min <= range.Max, nameof(range), "min must be less than or equal to max");
        _range = range;
    }

    public static bool IsValidType(DataViewType type) => type == NumberDataViewType.Single || type == NumberDataViewType.Double || type is KeyDataViewType;

    protected override bool DependsOn(int column) => column == _column.Index;

    protected override DataViewRowCursor CreateCursor(DataViewRowCursor input, bool[] active)
        => new ValueFilterCursor(Host, input, active, new() { [_column.Index] = CachedValue.Create(input, _column, CreatePredicate()) });

    private Delegate CreatePredicate()
    {
        var range = _range;
        ulong count = _column.Type.GetKeyCount();
        bool AcceptsKey(ulong key) => key > 0 && key <= count && range.Accepts((key - 0.5) / count);
        return Type.GetTypeCode(_column.Type.RawType) switch
        {
            TypeCode.Single => (Predicate<float>)(value => range.Accepts(value)),
            TypeCode.Double => (Predicate<double>)(value => range.Accepts(value)),
            TypeCode.Byte => (Predicate<byte>)(key => AcceptsKey(key)),
            TypeCode.UInt16 => (Predicate<ushort>)(key => AcceptsKey(key)),
            TypeCode.UInt32 => (Predicate<uint>)(key => AcceptsKey(key)),
            _ => (Predicate<ulong>)(key => AcceptsKey(key)),
        };
    }

    /// <summary>A range and what is done with it.</summary>
    public readonly record struct Range(double Min, double Max, bool IncludeMax = false, bool Complement = false)
    {
        // The complement isn't the negation: NaN is neither in nor out.
        public bool Accepts(double value) => Complement
            ? value < Min || (IncludeMax ? value > Max : value >= Max)
            : Min <= value && (IncludeMax ? value <= Max : value < Max);
    }
}
