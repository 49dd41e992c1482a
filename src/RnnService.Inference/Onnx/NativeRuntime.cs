using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;

namespace RnnService.Inference.Onnx;

/// <summary>Settings of the native library that must be made before it is loaded.</summary>
internal static partial class NativeRuntime
{
    /// <summary>
    /// Turns off the telemetry that ONNX Runtime's binaries carry since 1.29, unless the operator has set the variable himself.
    /// .NET keeps a copy of the environment of its own on Unix, which native code does not see: hence setenv.
    /// </summary>
    public static void Prepare()
    {
        const string variable = "ORT_DISABLE_TELEMETRY";
        if (Environment.GetEnvironmentVariable(variable) is null)
        {
            Environment.SetEnvironmentVariable(variable, "1");
            if (!OperatingSystem.IsWindows())
                _ = SetEnvironment(variable, "1", overwrite: 0);
        }
        if (Environment.GetEnvironmentVariable(variable) == "1")
            OrtEnv.Instance().DisableTelemetryEvents();
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetEnvironment(string name, string value, int overwrite);
}
