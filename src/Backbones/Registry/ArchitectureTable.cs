using System.Diagnostics.CodeAnalysis;
using Backbones.Graphs;

namespace Backbones.Registry;

/// <summary>What this library can build: one entry for each architecture that a family registers.</summary>
/// <typeparam name="T">What a family registers, such as its builder.</typeparam>
public sealed class ArchitectureTable<T>
{
    private readonly Dictionary<string, T> _entries = new(StringComparer.Ordinal);

    /// <summary>The registered architectures, in natural order.</summary>
    public IReadOnlyList<string> Names => [.. _entries.Keys.Order(NaturalOrder.Instance)];

    /// <summary>Registers an architecture.</summary>
    /// <exception cref="ArgumentException">It is registered already, or has a tag.</exception>
    public void Add(string architecture, T entry)
    {
        if (architecture.Contains('.'))
        {
            throw new ArgumentException($"'{architecture}' has a tag; tags belong to weights, not to architectures.", nameof(architecture));
        }
        if (!_entries.TryAdd(architecture, entry))
        {
            throw new ArgumentException($"'{architecture}' is registered already.", nameof(architecture));
        }
    }

    /// <summary>The entry of an architecture, if it is registered.</summary>
    public bool TryGet(string architecture, [NotNullWhen(true)] out T? entry) => _entries.TryGetValue(architecture, out entry!);

    /// <summary>The entry of an architecture.</summary>
    /// <exception cref="UnknownModelException">There is none; the message says whether timm has the model, and what is near.</exception>
    public T Get(string architecture)
    {
        if (_entries.TryGetValue(architecture, out T? entry))
        {
            return entry;
        }
        string problem = ModelNames.IsArchitecture(architecture)
            ? $"'{architecture}' is a model of timm's {ModelNames.ModuleOf(architecture)} that is not supported here yet."
            : $"Unknown model '{architecture}'.";
        throw new UnknownModelException(architecture, problem, NearestName.Find(architecture, _entries.Keys));
    }
}
