using System.Runtime.Intrinsics;

namespace Backbones.Imaging.Resampling;

/// <summary>What <see cref="VectorResampleKernel{TLanes, TVector}"/> needs of a vector of 32-bit lanes, four lanes a pixel.</summary>
internal unsafe interface IResampleLanes<TVector>
{
    /// <summary>Pixels in a vector: 1, 2 or 4.</summary>
    static abstract int Pixels { get; }

    /// <summary>The value in every lane.</summary>
    static abstract TVector Broadcast(int value);

    /// <summary>The bytes of <see cref="Pixels"/> pixels, each widened to a lane.</summary>
    static abstract TVector LoadPixels(byte* source);

    /// <summary><see cref="Pixels"/> weights, each in all four lanes of its pixel.</summary>
    static abstract TVector LoadWeights(int* weights);

    /// <summary>accumulator + a × b.</summary>
    static abstract TVector MultiplyAdd(TVector accumulator, TVector a, TVector b);

    /// <summary>Adds up the pixels of each argument to one and brings the four results to bytes.</summary>
    static abstract Vector128<byte> SumToBytes(TVector a, TVector b, TVector c, TVector d);

    /// <summary>Brings each lane to a byte and writes them.</summary>
    static abstract void StoreBytes(byte* target, TVector value);
}
