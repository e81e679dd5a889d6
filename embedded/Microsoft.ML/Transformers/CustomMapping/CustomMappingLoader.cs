using System.Reflection;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

[assembly: LoadableClass(typeof(ITransformer), typeof(CustomMappingLoader), null, typeof(SignatureLoadModel), "", CustomMappingLoader.LoaderSignature)]

namespace Microsoft.ML.Transforms;

/// <summary>Saves which function a custom mapping has, and finds it again.</summary>
internal static class CustomMappingLoader
{
    public const string LoaderSignature = "CustomTransformer";

    public static void Save(ModelSaveContext ctx, string contractName, string contractAssembly)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(GetVersionInfo());
        ctx.SaveString(contractName);
        ctx.SaveString(contractAssembly);
    }

    private static ITransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(GetVersionInfo());
        string contractName = ctx.LoadString();
        string contractAssembly = ctx.LoadString();
        env.ComponentCatalog.RegisterAssembly(Assembly.Load(contractAssembly));
        var factory = env.ComponentCatalog.CreateExtension(env, typeof(CustomMappingFactoryAttributeAttribute), contractName) as ICustomMappingFactory
            ?? throw env.Except($"The class with the contract '{contractName}' is no CustomMappingFactory.");
        return factory.CreateTransformer(env, contractName);
    }

    private static VersionInfo GetVersionInfo() => new("CUSTOMXF", 0x00010002, 0x00010002, 0x00010002, typeof(CustomMappingLoader).Assembly.FullName, LoaderSignature);
}
