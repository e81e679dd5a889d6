namespace Microsoft.ML;

/// <summary>Names the parameters of what loads a component from a saved model: the model's load context, whose type is internal too.</summary>
public delegate void SignatureLoadModel(object context);

/// <summary>Put on an assembly, it says which class a saved model's loader signature stands for.</summary>
[AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
public sealed class LoadableClassAttribute : Attribute
{
    /// <param name="instType">The class, with a static <c>Create(IHostEnvironment, object)</c> that returns exactly it.</param>
    /// <param name="argType">Type of an argument between the two, or null.</param>
    /// <param name="sigType"><see cref="SignatureLoadModel"/>.</param>
    /// <param name="userName">A name for people.</param>
    /// <param name="loadNames">The loader signatures, compared without regard to case.</param>
    public LoadableClassAttribute(Type instType, Type? argType, Type sigType, string userName, params string[] loadNames)
    {
    }
}
