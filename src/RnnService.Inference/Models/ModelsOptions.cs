using Microsoft.Extensions.Options;

namespace RnnService.Inference.Models;

/// <summary>Configuration section <c>Models</c>.</summary>
public sealed class ModelsOptions
{
    public const string Section = "Models";

    /// <summary>Folder with the model repository; a relative path is looked for in the working directory, then beside the executable.</summary>
    public string Root { get; set; } = "models";

    /// <summary>The model that <c>POST /predict</c> uses when a request names none. Unset: <c>questions</c>, if there is one.</summary>
    public string? Default { get; set; }

    /// <summary>Models without which the service is not ready. Others may fail.</summary>
    public IList<string> Required { get; } = [];

    /// <summary>How often the root is looked at for changes, in milliseconds; 0 is never after the start.</summary>
    public int ScanMilliseconds { get; set; } = 1000;

    /// <summary>How long a new, changed or removed folder must stay the same before it is acted on, in milliseconds.</summary>
    public int StableMilliseconds { get; set; } = 1000;

    /// <summary>The folder that <see cref="Root"/> means; null when there is none.</summary>
    public string? FindRoot()
    {
        if (string.IsNullOrWhiteSpace(Root))
            return null;
        string[] places = [Path.GetFullPath(Root), Path.Combine(AppContext.BaseDirectory, Root)];
        return places.FirstOrDefault(Directory.Exists);
    }
}

/// <summary>Lists every fault of the section at once; each says what to do.</summary>
public sealed class ModelsOptionsValidator : IValidateOptions<ModelsOptions>
{
    private const int Day = 24 * 3600 * 1000;

    public ValidateOptionsResult Validate(string? name, ModelsOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var faults = new List<string>();
        if (string.IsNullOrWhiteSpace(options.Root))
            faults.Add("Models:Root: it is empty; name the folder that holds <model>/<version>/model.onnx.");
        else if (options.FindRoot() is { } root)
            CheckNames(options, root, faults);
        else
            faults.Add($"Models:Root: there is no folder \"{Path.GetFullPath(options.Root)}\"; name the folder that holds <model>/<version>/model.onnx.");
        if (options.ScanMilliseconds is < 0 or > Day)
            faults.Add($"Models:ScanMilliseconds: {options.ScanMilliseconds} is out of range; use 1 to {Day}, or 0 for no scan after the start.");
        if (options.StableMilliseconds is < 0 or > Day)
            faults.Add($"Models:StableMilliseconds: {options.StableMilliseconds} is out of range; use 0 to {Day}.");
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    private static void CheckNames(ModelsOptions options, string root, List<string> faults)
    {
        string[] there;
        try
        {
            there = [.. RepositoryFolder.Read(root).Versions.Select(f => f.Name).Distinct()];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            faults.Add($"Models:Root: {root} cannot be read: {e.Message} Let the server's user read it.");
            return;
        }
        if (there.Length == 0)
            faults.Add($"Models:Root: {root} holds no model; put one into it as <model>/<version>/model.onnx, the version a number from 1.");
        if (options.Default is { } model && !there.Contains(model))
            faults.Add($"Models:Default: there is no model \"{model}\" in {root}; it has {string.Join(", ", there)}.");
        foreach (var required in options.Required.Where(r => !there.Contains(r)))
            faults.Add($"Models:Required: there is no model \"{required}\" in {root}; it has {string.Join(", ", there)}.");
    }
}
