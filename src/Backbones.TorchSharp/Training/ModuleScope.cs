namespace Backbones.Engines.Torch;

/// <summary>One segment of timm's parameter names (<c>layer1</c>, <c>0</c>, <c>conv1</c>) as a module that holds parameters, buffers and further segments.</summary>
internal sealed class ModuleScope(string name) : torch.nn.Module(name)
{
    /// <summary>The scope below this one for a dotted path, made where it is missing.</summary>
    public static torch.nn.Module Below(torch.nn.Module root, string path)
    {
        torch.nn.Module scope = root;
        foreach (string segment in path.Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            torch.nn.Module? child = scope.named_children().FirstOrDefault(c => c.name == segment).module;
            if (child is null)
            {
                child = new ModuleScope(segment);
                scope.register_module(segment, child);
            }
            scope = child;
        }
        return scope;
    }
}
