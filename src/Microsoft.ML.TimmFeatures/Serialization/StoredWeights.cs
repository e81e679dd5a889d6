using Backbones.Weights;

namespace Microsoft.ML.TimmFeatures.Serialization;

/// <summary>The weights of a saved model, after its description: their length (Int64; 0 where the model refers to them) and a safetensors file in <see cref="BytePlanes"/>.</summary>
internal static class StoredWeights
{
    /// <summary>Bytes of the file that is stored; 0 where the model refers to its weights.</summary>
    /// <exception cref="NotSupportedException">They are too large to be embedded.</exception>
    public static long LengthOf(FeaturizerOptions options, IReadOnlyList<ParameterTensor> needed, string model)
    {
        long length = options.WeightStorage == WeightStorage.Embedded ? SafetensorsWriter.LengthOf(needed) : 0;
        return length <= Array.MaxLength ? length
            : throw new NotSupportedException($"The weights of '{model}' take {length} bytes; at most {Array.MaxLength} can be inside a model. Use {nameof(WeightStorage)}.{nameof(WeightStorage.Referenced)}.");
    }

    /// <summary>Writes the length and, unless it is 0, the weights.</summary>
    public static void Write(BinaryWriter writer, long length, IReadOnlyList<ParameterTensor> needed)
    {
        writer.Write(length);
        writer.Flush();
        if (length == 0)
            return;
        using var planes = new BytePlaneWriter(writer.BaseStream);
        SafetensorsWriter.Write(planes, needed);
    }

    /// <summary>The file's bytes.</summary>
    /// <param name="stream">At their start.</param>
    /// <param name="length">How many.</param>
    /// <param name="inPlanes">False where they are stored as they are.</param>
    /// <exception cref="InvalidDataException">The length is none.</exception>
    /// <exception cref="EndOfStreamException">They are cut off.</exception>
    public static byte[] Read(Stream stream, long length, bool inPlanes = true)
    {
        if (length < 0 || length > Array.MaxLength)
            throw new InvalidDataException($"it says that its weights take {length} bytes.");
        // A wrong length must not take memory that the file has no bytes for.
        long left = stream.Length - stream.Position;
        if (left < length)
            throw new EndOfStreamException($"its weights are cut off, {left} of {length} bytes are there.");
        byte[] weights = GC.AllocateUninitializedArray<byte>((int)length);
        if (inPlanes)
            BytePlanes.Read(stream, weights);
        else
            stream.ReadExactly(weights);
        return weights;
    }

    /// <summary>The file, which must have the content that the model was saved with.</summary>
    /// <exception cref="InvalidDataException">It has another.</exception>
    public static ParameterStore Open(byte[] file, string model, string hash)
    {
        ParameterStore weights = ParameterStore.FromSafetensors(SafetensorsFile.Read(file, $"the saved model's weights of '{model}'"));
        return weights.ContentHash == hash ? weights : throw new InvalidDataException($"its weights have content hash {weights.ContentHash}, not {hash}.");
    }
}
