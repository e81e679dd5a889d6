using Microsoft.ML.Runtime;

namespace Microsoft.ML.Trainers;

/// <summary>What a trainer has learnt.</summary>
/// <typeparam name="TOutput">The type of the scores.</typeparam>
public abstract class ModelParametersBase<TOutput> : ICanSaveModel
{
    private protected readonly IHost Host;

    private protected ModelParametersBase(IHostEnvironment env, string name)
    {
        Contracts.CheckValue(env, nameof(env));
        Host = env.Register(name);
    }

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        Host.CheckValue(ctx, nameof(ctx));
        ctx.CheckAtModel();
        SaveCore(ctx);
    }

    private protected abstract void SaveCore(ModelSaveContext ctx);
}
