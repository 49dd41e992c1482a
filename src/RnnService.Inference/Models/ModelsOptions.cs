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
    public ValidateOptionsResult Validate(string? name, ModelsOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var faults = new List<string>();
        var root = options.FindRoot();
        if (string.IsNullOrWhiteSpace(options.Root))
            faults.Add("Models:Root: it is empty; name the folder that holds <model>/<version>/model.onnx.");
        else if (root is null)
            faults.Add($"Models:Root: there is no folder \"{Path.GetFullPath(options.Root)}\"; name the folder that holds <model>/<version>/model.onnx.");
        if (root is not null && ModelFolder.FindAll(root).Count == 0)
            faults.Add($"Models:Root: {root} holds no model; put one into it as <model>/<version>/model.onnx, the version a number from 1.");
        if (options.Default is { } model && root is not null && ModelFolder.FindAll(root).All(f => f.Name != model))
            faults.Add($"Models:Default: there is no model \"{model}\" in {root}; it has {string.Join(", ", ModelFolder.FindAll(root).Select(f => f.Name).Distinct())}.");
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }
}
