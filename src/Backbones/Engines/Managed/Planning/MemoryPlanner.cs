namespace Backbones.Engines.Managed;

/// <summary>A step, the node it computes, and the storages it reads and writes.</summary>
internal sealed record PlannedStep(Step Step, string Node, Storage[] Reads, Storage Writes);

/// <summary>Places the storages of a plan in one arena: storages that are alive at the same time do not overlap, others share memory.</summary>
internal static class MemoryPlanner
{
    /// <summary>Sets every storage's offset (floats per batch item) and returns the arena's size.</summary>
    public static long Place(IReadOnlyList<PlannedStep> steps)
    {
        var lives = new Dictionary<Storage, (int First, int Last)>();
        for (int i = 0; i < steps.Count; i++)
        {
            foreach (Storage storage in steps[i].Reads.Append(steps[i].Writes).Where(s => s.Kind == StorageKind.Arena))
                lives[storage] = lives.TryGetValue(storage, out var life) ? (life.First, i) : (i, i);
        }

        // The largest first: they decide the size, the small ones fit between them.
        var placed = new List<(Storage Storage, int First, int Last)>();
        long size = 0;
        foreach ((Storage storage, (int first, int last)) in lives.OrderByDescending(l => l.Key.ItemSize).ThenBy(l => l.Value.First))
        {
            long offset = 0;
            foreach ((Storage other, _, _) in placed.Where(p => p.First <= last && first <= p.Last).OrderBy(p => p.Storage.ArenaOffset))
            {
                if (other.ArenaOffset - offset >= storage.ItemSize)
                    break;
                offset = Math.Max(offset, other.ArenaOffset + other.ItemSize);
            }
            storage.ArenaOffset = offset;
            size = Math.Max(size, offset + storage.ItemSize);
            placed.Add((storage, first, last));
        }
        return size;
    }
}
