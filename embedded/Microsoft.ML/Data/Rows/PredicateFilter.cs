using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>The rows that a user's predicate, given as an object, doesn't drop.</summary>
internal sealed class PredicateFilter<TSrc> : RowFilterBase where TSrc : class, new()
{
    private readonly ObjectBinding<TSrc> _binding;
    private readonly HashSet<int> _columns;
    private readonly Func<TSrc, bool> _drop;

    public PredicateFilter(IHostEnvironment env, IDataView source, Func<TSrc, bool> drop) : base(env, "CustomFilter", source)
    {
        Host.CheckValue(drop, nameof(drop));
        _drop = drop;
        _binding = new ObjectBinding<TSrc>(Host, source.Schema, ignoreMissingColumns: false, definition: null);
        _columns = [.. _binding.Columns.Select(c => c.Index)];
    }

    // Only who asks for a cursor set says that the predicate may be called from several threads.
    protected override bool? ShouldUseParallelCursors(bool[] active) => false;

    protected override bool DependsOn(int column) => _columns.Contains(column);

    protected override DataViewRowCursor CreateCursor(DataViewRowCursor input, bool[] active) => new Cursor(this, input, active);

    private sealed class Cursor(PredicateFilter<TSrc> owner, DataViewRowCursor input, bool[] active) : FilterCursorBase(owner.Host, input, active)
    {
        private readonly Action<TSrc> _fill = owner._binding.CreateFiller(input);
        private readonly TSrc _row = new();

        protected override bool Accept()
        {
            _fill(_row);
            return !owner._drop(_row);
        }
    }
}
