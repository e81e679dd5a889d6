using Microsoft.ML.TimmFeatures.Sessions;

namespace Microsoft.ML.TimmFeatures.Tests.Support;

internal static class OpenSessions
{
    extension(FeaturizerTransformer transformer)
    {
        /// <summary>The session that a transformer has open.</summary>
        public FeaturizerSession Session
        {
            get
            {
                using Lease<FeaturizerSession> share = transformer.TakeSession();
                return share.Value;
            }
        }
    }
}
