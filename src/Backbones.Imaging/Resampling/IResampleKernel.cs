namespace Backbones.Imaging.Resampling;

/// <summary>The two inner loops of a resize, over pixels of four bytes; every implementation gives the same bytes.</summary>
internal unsafe interface IResampleKernel
{
    /// <summary>Rows that <see cref="Horizontal"/> makes at a time.</summary>
    const int RowsAtOnce = 4;

    /// <summary>A multiple of what <see cref="Vertical"/> may write at a time; row buffers are as long.</summary>
    const int RowAlignment = 64;

    /// <summary>Makes four rows of <paramref name="count"/> target pixels from four source rows.</summary>
    /// <param name="sources">Four source rows.</param>
    /// <param name="targets">Four target rows.</param>
    /// <param name="starts">First source pixel of each target pixel.</param>
    /// <param name="weights"><paramref name="taps"/> weights for each target pixel.</param>
    /// <param name="taps">A multiple of four.</param>
    /// <param name="count">Number of target pixels.</param>
    static abstract void Horizontal(byte** sources, byte** targets, int* starts, int* weights, int taps, int count);

    /// <summary>Makes one target row as the weighted sum of <paramref name="taps"/> rows of a ring.</summary>
    /// <param name="row">The first row of the sum.</param>
    /// <param name="ring">The ring's first row, which follows its last one.</param>
    /// <param name="ringEnd">The end of the ring's last row.</param>
    /// <param name="stride">Bytes of a row, a multiple of <see cref="RowAlignment"/>.</param>
    /// <param name="weights">A weight for each row of the sum.</param>
    /// <param name="taps">Number of rows in the sum.</param>
    /// <param name="target">Receives <paramref name="stride"/> bytes.</param>
    static abstract void Vertical(byte* row, byte* ring, byte* ringEnd, int stride, int* weights, int taps, byte* target);
}
