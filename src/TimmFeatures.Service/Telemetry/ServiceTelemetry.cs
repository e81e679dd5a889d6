using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace TimmFeatures.Service.Telemetry;

/// <summary>Who gets metrics and traces: Prometheus, which asks for them, and a collector, where the environment names one.</summary>
internal static class ServiceTelemetry
{
    /// <summary>OpenTelemetry's own variable.</summary>
    private const string CollectorVariable = "OTEL_EXPORTER_OTLP_ENDPOINT";

    /// <summary>What this is called where <c>OTEL_SERVICE_NAME</c> has no other name.</summary>
    private const string ServiceName = "timm-features";

    public static void AddServiceTelemetry(this IServiceCollection services)
    {
        bool collected = Environment.GetEnvironmentVariable(CollectorVariable) is { Length: > 0 };
        // A collector tells processes apart by the instance; Prometheus knows them by their addresses.
        OpenTelemetryBuilder telemetry = services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService(ServiceName, autoGenerateServiceInstanceId: collected).AddEnvironmentVariableDetector());
        telemetry.WithMetrics(metrics =>
        {
            metrics.AddMeter(ServiceMetrics.Name, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Runtime").AddPrometheusExporter();
            if (collected)
                metrics.AddOtlpExporter();
        });
        if (collected)
            telemetry.WithTracing(traces => traces.AddSource(ServiceMetrics.Name, "Microsoft.AspNetCore").AddOtlpExporter());
    }
}
