using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.ML;
using Microsoft.ML.Data;
using Microsoft.ML.TimmFeatures.Tests.Support;

namespace Microsoft.ML.TimmFeatures.AutoML.Tests;

[TestClass]
public sealed class PredictionEnginePoolTests
{
    [TestMethod]
    public void A_pool_over_a_saved_model_answers_many_threads_with_the_features_of_the_view()
    {
        string path = Path.GetTempFileName();
        try
        {
            var context = new MLContext(seed: 1);
            Picture[] pictures = [.. TimmFeatures.Tests.Support.Samples.All.Take(24)];
            IDataView data = context.Data.LoadFromEnumerable(pictures);
            float[][] expected;
            using (FeaturizerTransformer transformer = context.Transforms.TimmFeatures("Features", "Path", TimmFeatures.Tests.Support.Samples.Options with { ImageFolder = TimmFeatures.Tests.Support.Samples.Pictures }).Fit(data))
            {
                expected = [.. transformer.Transform(data).GetColumn<float[]>("Features")];
                context.Model.Save(transformer, data.Schema, path);
            }
            var services = new ServiceCollection();
            services.AddPredictionEnginePool<Picture, PictureFeatures>().FromFile(path, watchForChanges: false);
            using ServiceProvider provider = services.BuildServiceProvider();
            var pool = provider.GetRequiredService<PredictionEnginePool<Picture, PictureFeatures>>();

            Parallel.For(0, 4 * pictures.Length, new ParallelOptions { MaxDegreeOfParallelism = 4 }, i =>
            {
                int k = i * 7 % pictures.Length;
                RowValues.AssertNear(expected[k], pool.Predict(pictures[k]).Features, pictures[k].Path);
            });
        }
        finally
        {
            File.Delete(path);
        }
    }

    private sealed class PictureFeatures
    {
        public float[] Features { get; set; } = [];
    }
}
