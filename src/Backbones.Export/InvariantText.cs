using System.Globalization;

namespace Backbones;

/// <summary>While it is open, this thread writes numbers for machines: many cultures' minus is not the hyphen.</summary>
internal readonly ref struct InvariantText
{
    private readonly CultureInfo _before;

    private InvariantText(CultureInfo before) => _before = before;

    public static InvariantText Open()
    {
        var text = new InvariantText(CultureInfo.CurrentCulture);
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        return text;
    }

    public void Dispose() => CultureInfo.CurrentCulture = _before;
}
