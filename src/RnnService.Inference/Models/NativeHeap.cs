using System.Runtime.InteropServices;

namespace RnnService.Inference.Models;

/// <summary>
/// Gives memory that native code has freed back to the system. A model's weights are many blocks in the heap of the C library, and glibc keeps freed
/// blocks below the top of a heap, so that an unloaded model would go on counting against the container's limit.
/// </summary>
internal static partial class NativeHeap
{
    private static readonly bool IsGlibc = OperatingSystem.IsLinux() && NativeLibrary.TryLoad("libc.so.6", out nint libc) && NativeLibrary.TryGetExport(libc, "malloc_trim", out _);

    public static void Trim()
    {
        if (IsGlibc)
            _ = Trim(0);
    }

    [LibraryImport("libc.so.6", EntryPoint = "malloc_trim")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Trim(nint pad);
}
