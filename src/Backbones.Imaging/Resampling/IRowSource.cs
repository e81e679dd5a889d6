namespace Backbones.Imaging.Resampling;

/// <summary>Rows of an upright picture as four bytes a pixel. A resize asks for them from top to bottom, the last one perhaps again.</summary>
internal unsafe interface IRowSource
{
    /// <summary>Pixels in a row.</summary>
    int Width { get; }

    /// <summary>Number of rows.</summary>
    int Height { get; }

    /// <summary>Whether rows can be read as they lie: four colour bytes, pixels side by side.</summary>
    bool IsDirect { get; }

    /// <summary>The stored row <paramref name="y"/>; only where <see cref="IsDirect"/>.</summary>
    byte* Direct(int y);

    /// <summary>Writes row <paramref name="y"/> to where its first pixel would be.</summary>
    void Convert(int y, uint* target);
}
