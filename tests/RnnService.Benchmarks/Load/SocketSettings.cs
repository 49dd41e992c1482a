namespace RnnService.Benchmarks.Load;

/// <summary>
/// Makes the generator one thread: it waits for all sockets and runs what follows right there. No handing over to the thread pool, which would
/// take processor time from the server. Nothing on a connection's way may therefore block.
/// </summary>
internal static class SocketSettings
{
    /// <summary>What servers must not inherit.</summary>
    public static readonly string[] Variables = ["DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "DOTNET_SYSTEM_NET_SOCKETS_THREAD_COUNT"];

    /// <summary>To be called before the first socket is made.</summary>
    public static void Apply()
    {
        foreach (var variable in Variables)
            Environment.SetEnvironmentVariable(variable, "1");
    }
}
