using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using RnnService.Core;
using RnnService.Inference.Batching;

namespace RnnService.Inference.Models;

/// <summary>A model on disk as the server would load it, or why it would not. Dispose of it frees the model.</summary>
/// <param name="Name">Name of the model.</param>
/// <param name="Version">Its version.</param>
/// <param name="Path">The graph's file.</param>
/// <param name="Model">The model; null when it cannot be loaded.</param>
/// <param name="Faults">Why it cannot be loaded, or cannot answer predictions.</param>
public sealed record InspectedModel(string Name, int Version, string Path, LoadedModel? Model, IReadOnlyList<Fault> Faults) : IDisposable
{
    /// <summary>Whether it serves what it is: predictions, or raw tensors for a graph that is no classifier of sequences at all.</summary>
    public bool Serves => Model is not null && (Model.Classifier is not null || !Model.Graph.LooksLikeClassifier);

    public void Dispose() => Model?.Dispose();
}

/// <summary>Loads models without a server, by the very code that a server loads them with.</summary>
public static class Inspection
{
    /// <summary>Loads one after the other what a path holds.</summary>
    /// <param name="path">A graph, the folder of a version, of a model, or of a whole repository.</param>
    /// <param name="batching">Settings as the server has them.</param>
    /// <returns>Empty when there is no model at the path.</returns>
    public static IEnumerable<InspectedModel> Load(string path, BatchingOptions batching)
    {
        var loader = new ModelLoader(Options.Create(batching), new EngineHealth(null), NullLogger<ModelLoader>.Instance);
        foreach (var folder in Find(Path.GetFullPath(path)))
            yield return Load(loader, folder);
    }

    private static InspectedModel Load(ModelLoader loader, ModelFolder folder)
    {
        try
        {
            var model = loader.Load(folder);
            return new InspectedModel(folder.Name, folder.Version, folder.Graph, model, model.WhyNoClassifier);
        }
        catch (ModelLoadException e)
        {
            return new InspectedModel(folder.Name, folder.Version, folder.Graph, null, e.Faults);
        }
    }

    private static IEnumerable<ModelFolder> Find(string path)
    {
        if (File.Exists(path))
        {
            bool usual = Path.GetFileName(path) == ModelFolder.UsualGraph;
            return [usual ? Version(Path.GetDirectoryName(path)!) : new ModelFolder(Path.GetFileNameWithoutExtension(path), 1, Path.GetDirectoryName(path)!) { OtherGraph = Path.GetFileName(path) }];
        }
        if (File.Exists(Path.Combine(path, ModelFolder.UsualGraph)))
            return [Version(path)];
        if (!Directory.Exists(path))
            return [];
        var versions = Directory.EnumerateDirectories(path).Where(f => File.Exists(Path.Combine(f, ModelFolder.UsualGraph))).Select(Version).OrderBy(f => f.Version).ToArray();
        return versions.Length > 0 ? versions : RepositoryFolder.Read(path).Versions;
    }

    private static ModelFolder Version(string folder)
    {
        var name = Path.GetFileName(folder);
        return int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int version)
            ? new ModelFolder(Path.GetFileName(Path.GetDirectoryName(folder)) ?? name, version, folder)
            : new ModelFolder(name, 1, folder);
    }
}
