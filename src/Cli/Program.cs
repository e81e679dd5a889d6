using System.Runtime.InteropServices;
using TimmFeatures.Cli;

using var stop = new CancellationTokenSource();
int interrupted = 0;
// Ctrl-C and SIGTERM end the work between two images; a second one ends the process as it would without this.
using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Stop(context, ExitCode.Interrupted));
using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Stop(context, ExitCode.Terminated));

int code = CommandLine.Run(args, Terminal.OfProcess(stop.Token));
return interrupted != 0 && code != ExitCode.Success ? interrupted : code;

void Stop(PosixSignalContext context, int exitCode)
{
    context.Cancel = Interlocked.CompareExchange(ref interrupted, exitCode, 0) == 0;
    if (context.Cancel)
        stop.Cancel();
}

// Said here, so that ASP.NET Core's generator does not make it public.
internal sealed partial class Program;
