using Microsoft.ML.Tests.Data;
using Microsoft.ML.Transforms;

namespace Microsoft.ML.Tests.Model;

/// <summary>A mapping that a loaded model finds again.</summary>
[CustomMappingFactoryAttribute("Microsoft.ML.Tests doubling")]
internal sealed class DoublingFactory : CustomMappingFactory<NumberOnly, Doubled>
{
    public const string Contract = "Microsoft.ML.Tests doubling";

    public override Action<NumberOnly, Doubled> GetMapping() => Map;

    public static void Map(NumberOnly source, Doubled target) => target.Twice = 2 * source.Number;
}
