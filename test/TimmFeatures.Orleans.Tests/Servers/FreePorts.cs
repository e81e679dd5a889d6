using System.Net;
using System.Net.Sockets;

namespace TimmFeatures.Orleans.Tests.Servers;

internal static class FreePorts
{
    /// <summary>A port of loopback that nobody has.</summary>
    public static int Next()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
