namespace TimmFeatures.Extraction.Images;

/// <summary>Where an image's bytes are: a file, an entry of a zip file, or a piece of a tar file.</summary>
/// <param name="File">The image's own file, or the archive.</param>
/// <param name="Entry">The entry's number in a zip file's directory.</param>
/// <param name="Offset">Where the image begins in a tar file, in bytes.</param>
/// <param name="Length">Its length there, in bytes.</param>
internal readonly record struct ImageSource(string File, int? Entry = null, long? Offset = null, long? Length = null);
