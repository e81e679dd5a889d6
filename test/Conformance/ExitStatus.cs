namespace Backbones.Conformance;

/// <summary>What a run ends with.</summary>
internal static class ExitStatus
{
    /// <summary>0 if something was compared and nothing failed, otherwise 1: a filter that matches nothing has shown nothing.</summary>
    public static int Of(int compared, int failed)
    {
        if (compared == 0)
            Console.Error.WriteLine("Nothing was compared: the filter matches no case.");
        return compared > 0 && failed == 0 ? 0 : 1;
    }
}
