using System.Collections;
using Microsoft.ML.Data;

namespace Microsoft.ML;

/// <summary>The columns of a view: names, types and annotations. A later column hides an earlier one of the same name.</summary>
public sealed partial class DataViewSchema : IReadOnlyList<DataViewSchema.Column>
{
    private readonly Column[] _columns;
    private readonly Dictionary<string, int> _indexByName = [];

    private DataViewSchema(Column[] columns)
    {
        _columns = columns;
        foreach (var column in columns)
            _indexByName[column.Name] = column.Index;
    }

    /// <summary>Number of columns, hidden ones included.</summary>
    public int Count => _columns.Length;

    /// <summary>The visible column of that name.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is none.</exception>
    public Column this[string name]
        => GetColumnOrNull(name) ?? throw new ArgumentOutOfRangeException(nameof(name), $"Column '{name}' not found");

    /// <summary>The column at an index.</summary>
    public Column this[int columnIndex]
        => (uint)columnIndex < (uint)_columns.Length ? _columns[columnIndex] : throw new ArgumentOutOfRangeException(nameof(columnIndex));

    /// <summary>The visible column of that name, or null.</summary>
    public Column? GetColumnOrNull(string name)
    {
        if (string.IsNullOrEmpty(name))
            throw new ArgumentNullException(nameof(name));
        return _indexByName.TryGetValue(name, out int index) ? _columns[index] : null;
    }

    /// <inheritdoc/>
    public IEnumerator<Column> GetEnumerator() => ((IEnumerable<Column>)_columns).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <inheritdoc/>
    public override string ToString() => $"{Count} columns";

    /// <summary>A column of a schema.</summary>
    public struct Column
    {
        internal Column(string name, int index, bool isHidden, DataViewType type, Annotations annotations)
        {
            Name = name;
            Index = index;
            IsHidden = isHidden;
            Type = type;
            Annotations = annotations ?? Annotations.Empty;
        }

        /// <summary>Name, not empty. Not necessarily unique.</summary>
        public string Name { get; }

        /// <summary>Place in the schema.</summary>
        public int Index { get; }

        /// <summary>Whether a later column has the same name.</summary>
        public bool IsHidden { get; }

        /// <summary>Type of the values.</summary>
        public DataViewType Type { get; }

        /// <summary>Facts about the column: slot names, key values and such.</summary>
        public Annotations Annotations { get; }

        /// <inheritdoc/>
        public override string ToString()
            => Annotations is { Schema.Count: > 0 } ? $"{Name}: {Type} {{{string.Join(", ", Annotations.Schema.Select(c => c.Name))}}}" : $"{Name}: {Type}";
    }

    /// <summary>A column that belongs to no schema.</summary>
    public struct DetachedColumn
    {
        /// <summary>Creates a column.</summary>
        public DetachedColumn(string name, DataViewType type, Annotations annotations = null)
        {
            if (string.IsNullOrEmpty(name))
                throw new ArgumentNullException(nameof(name));
            ArgumentNullException.ThrowIfNull(type);
            Name = name;
            Type = type;
            Annotations = annotations ?? Annotations.Empty;
        }

        /// <summary>Copies a schema's column.</summary>
        public DetachedColumn(Column column)
        {
            Name = column.Name;
            Type = column.Type;
            Annotations = column.Annotations;
        }

        /// <summary>Name, not empty.</summary>
        public string Name { get; }

        /// <summary>Type of the values.</summary>
        public DataViewType Type { get; }

        /// <summary>Facts about the column.</summary>
        public Annotations Annotations { get; }
    }

    /// <summary>Makes schemas.</summary>
    public sealed class Builder
    {
        private readonly List<DetachedColumn> _columns = [];

        /// <summary>Appends a column.</summary>
        public void AddColumn(string name, DataViewType type, Annotations annotations = null) => _columns.Add(new(name, type, annotations));

        /// <summary>Appends copies of a schema's columns.</summary>
        public void AddColumns(IEnumerable<Column> source) => _columns.AddRange(source.Select(c => new DetachedColumn(c)));

        /// <summary>Appends columns.</summary>
        public void AddColumns(IEnumerable<DetachedColumn> source)
        {
            foreach (var column in source)
                AddColumn(column.Name, column.Type, column.Annotations);
        }

        /// <summary>The schema of the columns so far.</summary>
        public DataViewSchema ToSchema()
        {
            var columns = new Column[_columns.Count];
            var seen = new HashSet<string>();
            for (int i = columns.Length - 1; i >= 0; i--)
                columns[i] = new Column(_columns[i].Name, i, isHidden: !seen.Add(_columns[i].Name), _columns[i].Type, _columns[i].Annotations);
            return new DataViewSchema(columns);
        }
    }
}
