using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Image;

[assembly: LoadableClass(typeof(ImageLoadingTransformer), null, typeof(SignatureLoadModel), "Image Loader Transform", ImageLoadingTransformer.LoaderSignature)]

namespace Microsoft.ML.Data;

/// <summary>Loads image files that a text column names. Made by <see cref="ImageLoadingEstimator"/>.</summary>
public sealed class ImageLoadingTransformer : OneToOneTransformerBase
{
    internal const string LoaderSignature = "ImageLoaderTransform";

    /// <summary>The folder that paths are relative to, or null.</summary>
    public readonly string ImageFolder;

    internal ImageLoadingTransformer(IHostEnvironment env, string imageFolder, bool asImages, params (string outputColumnName, string inputColumnName)[] columns)
        : base(Contracts.CheckRef(env, nameof(env)).Register(nameof(ImageLoadingTransformer)), columns)
    {
        AsImages = asImages;
        if (!string.IsNullOrEmpty(imageFolder))
        {
            ImageFolder = Directory.Exists(imageFolder)
                ? Path.GetFullPath(imageFolder)
                : throw new ArgumentException($"Directory \"{imageFolder}\" does not exist.");
        }
    }

    private ImageLoadingTransformer(IHost host, ModelLoadContext ctx) : base(host, ctx)
    {
        ImageFolder = ctx.LoadStringOrNull();
        AsImages = ctx.Reader.ReadBoolean();
    }

    /// <summary>Whether the new columns hold decoded images; otherwise the files' bytes.</summary>
    internal bool AsImages { get; }

    private static VersionInfo VersionInfo => new("IMGLOADR", 0x00010003, 0x00010003, 0x00010003,
        typeof(ImageLoadingTransformer).Assembly.FullName, LoaderSignature);

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.SetVersionInfo(VersionInfo);
        SaveColumns(ctx);
        ctx.SaveStringOrNull(ImageFolder);
        ctx.Writer.Write(AsImages);
    }

    private static ImageLoadingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        Contracts.CheckValue(env, nameof(env));
        env.CheckValue(ctx, nameof(ctx));
        ctx.CheckAtModel(VersionInfo);
        return new ImageLoadingTransformer(env.Register(nameof(ImageLoadingTransformer)), ctx);
    }

    private protected override void CheckInputColumn(DataViewSchema inputSchema, int col, int srcCol)
    {
        DataViewType type = inputSchema[srcCol].Type;
        if (type is not TextDataViewType)
        {
            throw Host.ExceptSchemaMismatch(nameof(inputSchema), "input", ColumnPairs[col].inputColumnName, TextDataViewType.Instance.ToString(), type.ToString());
        }
    }

    private protected override IRowMapper MakeRowMapper(DataViewSchema schema) => new Mapper(this, schema);

    private sealed class Mapper(ImageLoadingTransformer parent, DataViewSchema inputSchema) : OneToOneMapperBase(parent.Host, parent, inputSchema)
    {
        protected override DataViewSchema.DetachedColumn[] GetOutputColumnsCore()
        {
            DataViewType type = parent.AsImages ? new ImageDataViewType() : new VectorDataViewType(NumberDataViewType.Byte);
            return Array.ConvertAll(parent.ColumnPairs, pair => new DataViewSchema.DetachedColumn(pair.outputColumnName, type, null));
        }

        protected override Delegate MakeGetter(DataViewRow input, int iinfo, Func<int, bool> activeOutput, out Action disposer)
        {
            var getPath = input.GetGetter<ReadOnlyMemory<char>>(InputSchema[ColMapNewToOld[iinfo]]);
            ReadOnlyMemory<char> path = default;
            string ReadPath()
            {
                getPath(ref path);
                string text = path.ToString();
                return text.Length == 0 || string.IsNullOrWhiteSpace(parent.ImageFolder) ? text : Path.Combine(parent.ImageFolder, text);
            }

            if (parent.AsImages)
            {
                return MakeImageGetter(ReadPath, out disposer);
            }

            disposer = null;
            return (ValueGetter<VBuffer<byte>>)((ref VBuffer<byte> dst) =>
            {
                string file = ReadPath();
                byte[] bytes = file.Length == 0 ? [] : File.ReadAllBytes(file);
                dst = new VBuffer<byte>(bytes.Length, bytes);
            });
        }

        private static ValueGetter<MLImage> MakeImageGetter(Func<string> readPath, out Action disposer)
        {
            // The row after disposes of the value before it, the end of the cursor of the last one.
            MLImage last = null;
            disposer = () => last?.Dispose();
            return (ref MLImage dst) =>
            {
                dst?.Dispose();
                string file = readPath();
                last = dst = file.Length == 0 ? null : Load(file);
            };
        }

        private static MLImage Load(string file)
        {
            byte[] bytes = File.ReadAllBytes(file);
            try
            {
                MLImage image = MLImage.Decode(bytes);
                image.Tag = file;
                return image;
            }
            catch (InvalidDataException e)
            {
                throw new ArgumentException($"Image '{file}': {e.Message}", e);
            }
        }
    }
}
