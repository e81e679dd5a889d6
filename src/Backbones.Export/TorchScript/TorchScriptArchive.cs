using System.Text;

namespace Backbones.TorchScript;

/// <summary>
/// A program in the files of a TorchScript archive: <c>data.pkl</c> (the modules with their attributes), <c>data/N</c> (the tensors' bytes),
/// <c>code/__torch__.py</c> (a class for each module), <c>constants.pkl</c> (none), <c>version</c>, <c>byteorder</c> and <c>extra/NAME</c>.
/// </summary>
internal sealed class TorchScriptArchive(ScriptProgram program, TorchScriptExportOptions options)
{
    /// <summary>The format of PyTorch 1.12 and later: what gives GELU its approximation.</summary>
    private const string FormatVersion = "10\n";

    private const string Namespace = "__torch__";

    public void Write(Stream stream)
    {
        var zip = new AlignedZip(stream);
        string folder = program.Root.ClassName;
        var tensors = new List<ScriptTensor>();
        Add("data.pkl", Pickle(tensors));
        Add($"code/{Namespace}.py", Encoding.UTF8.GetBytes(Source()));
        Add("constants.pkl", new PickleWriter().EmptyTuple().Finish());
        Add("version", Encoding.ASCII.GetBytes(FormatVersion));
        Add("byteorder", "little"u8);
        foreach ((string name, string content) in options.Metadata.OrderBy(m => m.Key, StringComparer.Ordinal))
            Add($"extra/{name}", Encoding.UTF8.GetBytes(content));
        for (int i = 0; i < tensors.Count; i++)
            zip.Add($"{folder}/data/{i}", tensors[i].Values);
        zip.Finish();

        void Add(string name, ReadOnlySpan<byte> content) => zip.Add($"{folder}/{name}", content);
    }

    private byte[] Pickle(List<ScriptTensor> tensors)
    {
        var pickle = new PickleWriter();
        Object(program.Root);
        return pickle.Finish();

        void Object(ScriptModule module)
        {
            pickle.Global(Namespace, module.ClassName).EmptyTuple().New().EmptyDictionary().Mark();
            foreach ((string name, ScriptTensor tensor) in module.Tensors)
            {
                pickle.Text(name);
                Tensor(tensor);
            }
            pickle.Text("training").Truth(false).Text("_is_full_backward_hook").None();
            foreach ((string name, ScriptModule child) in module.Children)
            {
                pickle.Text(name);
                Object(child);
            }
            pickle.SetItems().Build();
        }

        void Tensor(ScriptTensor tensor)
        {
            pickle.Global("torch._utils", "_rebuild_tensor_v2").Mark();
            pickle.Mark().Text("storage").Global("torch", "FloatStorage").Text($"{tensors.Count}").Text("cpu").Integer(tensor.Values.Length).Tuple().Persistent();
            // Offset in the storage, size, strides, whether it needs a gradient, hooks.
            pickle.Integer(0).Integers(tensor.Shape).Integers(tensor.Shape.Strides()).Truth(false).Global("collections", "OrderedDict").EmptyTuple().Call().Tuple().Call();
            tensors.Add(tensor);
        }
    }

    private string Source()
    {
        var source = new StringBuilder();
        Class(program.Root, program.Forward);
        return source.ToString();

        void Class(ScriptModule module, IReadOnlyList<string> methods)
        {
            Line($"class {module.ClassName}(Module):");
            Line($"  __parameters__ = [{Names(module.Tensors.Where(t => t.Tensor.IsParameter))}]");
            Line($"  __buffers__ = [{Names(module.Tensors.Where(t => !t.Tensor.IsParameter))}]");
            foreach ((string name, _) in module.Tensors)
                Attribute(name, "Tensor");
            Attribute("training", "bool");
            Attribute("_is_full_backward_hook", "Optional[bool]");
            foreach ((string name, ScriptModule child) in module.Children)
                Attribute(name, $"{Namespace}.{child.ClassName}");
            foreach (string line in methods)
                Line($"  {line}");
            foreach ((_, ScriptModule child) in module.Children)
                Class(child, []);
        }

        static string Names(IEnumerable<(string Name, ScriptTensor Tensor)> tensors) => string.Concat(tensors.Select(t => $"{ScriptText.Text(t.Name)}, "));

        void Attribute(string name, string type)
            => Line(ScriptText.IsIdentifier(name) ? $"  {name} : {type}" : $"  __annotations__[{ScriptText.Text(name)}] = {type}");

        void Line(string line) => source.Append(line).Append('\n');
    }
}
