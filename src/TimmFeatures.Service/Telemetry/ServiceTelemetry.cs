using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace TimmFeatures.Service.Telemetry;

/// <summary>Who gets metrics and traces: Prometheus, which asks for them, and a collector, where the environment names one.</summary>
internal static class ServiceTelemetry
{
    /// <summary>OpenTelemetry's own variable.</summary>
    private const string CollectorVariable = "OTEL_EXPORTER_OTLP_ENDPOINT";

    public static void AddServiceTelemetry(this IServiceCollection services)
    {
        bool collected = Environment.GetEnvironmentVariable(CollectorVariable) is { Length: > 0 };
        OpenTelemetryBuilder telemetry = services.AddOpenTelemetry().WithMetrics(metrics =>
        {
            metrics.AddMeter(ServiceMetrics.Name, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Runtime").AddPrometheusExporter();
            if (collected)
                metrics.AddOtlpExporter();
        });
        if (collected)
            telemetry.WithTracing(traces => traces.AddSource(ServiceMetrics.Name, "Microsoft.AspNetCore").AddOtlpExporter());
    }
}
