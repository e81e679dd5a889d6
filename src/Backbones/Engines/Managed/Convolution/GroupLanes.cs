using System.Runtime.CompilerServices;

namespace Backbones.Engines.Managed;

/// <summary>How a pixel becomes a vector with one channel of each lane's own group.</summary>
internal unsafe interface IGroupLanes<T> where T : struct, IVector<T>
{
    /// <summary>Floats from what <see cref="Load"/> reads for a channel to what it reads for the next.</summary>
    static abstract nint ChannelDistance { get; }

    /// <summary>The same for the lanes.</summary>
    static abstract nint LaneDistance { get; }

    /// <param name="source">The channel, or the vector among whose channels the lanes choose.</param>
    /// <param name="lanes">Which of them each lane takes.</param>
    static abstract T Load(float* source, T lanes);
}

/// <summary>All lanes in one group: the channel in all of them.</summary>
internal readonly unsafe struct OneGroup<T> : IGroupLanes<T> where T : struct, IVector<T>
{
    public static nint ChannelDistance => 1;

    public static nint LaneDistance => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Load(float* source, T lanes) => T.Create(*source);
}

/// <summary>Several groups in a vector: the lanes choose among its channels.</summary>
internal readonly unsafe struct SeveralGroups<T> : IGroupLanes<T> where T : struct, IVector<T>
{
    public static nint ChannelDistance => 0;

    public static nint LaneDistance => T.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Load(float* source, T lanes) => T.Permute(T.Load(source), lanes);
}
