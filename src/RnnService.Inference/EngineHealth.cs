using Microsoft.Extensions.Hosting;

namespace RnnService.Inference;

/// <summary>Whether the engine's own code has broken down. Then the server is not ready any more and the process ends, not with 0, so that an orchestrator starts it anew.</summary>
public sealed class EngineHealth(IHostApplicationLifetime? lifetime)
{
    private const int SoftwareFault = 70;   // EX_SOFTWARE of sysexits.h

    private volatile bool _brokenDown;

    public bool BrokenDown => _brokenDown;

    internal void BreakDown(Exception cause)
    {
        _brokenDown = true;
        Environment.ExitCode = SoftwareFault;
        lifetime?.StopApplication();
    }
}
