using System.Text;

namespace Microsoft.ML.Data;

/// <summary>Lays a confusion matrix out as text.</summary>
internal static class ConfusionTableFormatter
{
    private const int HeaderWidth = 9;

    public static string Format(ConfusionMatrix matrix)
    {
        int classes = matrix.NumberOfClasses;
        int columnWidth = classes == 2 ? 8 : 5;
        int longestName = matrix.ClassNames.Max(name => name.Length);
        // Names too long for a column's head give way to class numbers, which the rows then show as well.
        bool numbered = longestName > columnWidth;
        int digits = numbered ? (classes - 1).ToString().Length : 0;
        int labelWidth = Math.Max(HeaderWidth, longestName + (numbered ? digits + 2 : 0));

        var text = new StringBuilder();
        text.AppendLine().AppendLine("Confusion table");
        AppendRule("");
        AppendHead("PREDICTED");
        for (int i = 0; i < classes; i++)
            text.Append(' ').Append((numbered ? i.ToString() : matrix.ClassNames[i]).PadLeft(columnWidth)).Append(" |");
        text.AppendLine(" Recall");
        AppendRule("TRUTH");
        for (int i = 0; i < classes; i++)
        {
            string name = matrix.ClassNames[i];
            text.Append(numbered
                ? $"{i.ToString().PadLeft(digits)}. {name.PadLeft(labelWidth - digits - 2)}"
                : name.PadLeft(labelWidth));
            text.Append(" ||");
            foreach (double count in matrix.Counts[i])
                text.Append(' ').Append(count.ToString("N0").PadLeft(columnWidth)).Append(" |");
            text.Append(' ').AppendLine(matrix.PerClassRecall[i].ToString("F4").PadLeft(5));
        }
        AppendRule("");
        AppendHead("Precision");
        foreach (double precision in matrix.PerClassPrecision)
            text.Append(precision.ToString("N4").PadLeft(columnWidth + 1)).Append(" |");
        return text.AppendLine().ToString();

        void AppendHead(string head) => text.Append(head.PadRight(labelWidth + 1)).Append("||");

        void AppendRule(string head)
        {
            AppendHead(head);
            text.Append('=', classes * (classes > 2 ? 8 : 11)).AppendLine();
        }
    }
}
