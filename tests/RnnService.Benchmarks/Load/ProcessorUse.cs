namespace RnnService.Benchmarks.Load;

/// <summary>Processor time of the whole machine, to tell whether somebody else was at work.</summary>
internal static class ProcessorUse
{
    private const double TicksPerSecond = 100;   // what the kernel shows to programs, whatever its own clock

    /// <summary>Seconds that all processors together were busy since the machine started; 0 where the kernel does not tell.</summary>
    public static double BusySeconds()
    {
        if (!File.Exists("/proc/stat"))
            return 0;
        // cpu user nice system idle iowait irq softirq steal
        var fields = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Take(8).Select(double.Parse).ToArray();
        return (fields.Sum() - fields[3] - fields[4]) / TicksPerSecond;
    }
}
