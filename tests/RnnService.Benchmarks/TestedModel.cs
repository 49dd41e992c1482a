namespace RnnService.Benchmarks;

/// <summary>The model that everything is measured with: <c>questions/1</c> of the model repository.</summary>
/// <param name="Root">The model repository.</param>
internal sealed record TestedModel(string Root)
{
    public const string Name = "questions";
    public const string IdsInput = "input_ids";
    public const string LengthsInput = "lengths";

    /// <summary>The graph's outputs, logits, one a level.</summary>
    public static readonly string[] Heads = ["coarse", "fine"];

    public string Graph => File("model.onnx");

    public string Labels => File("labels.json");

    public string Vocabulary => File("vocab.txt");

    /// <exception cref="UsageException">The graph is not where it should be.</exception>
    public static TestedModel Find(Arguments arguments)
    {
        var model = new TestedModel(Path.GetFullPath(arguments.Text("--models") ?? RepositoryModels()));
        return System.IO.File.Exists(model.Graph) ? model : throw new UsageException($"There is no {model.Graph}; name the model repository with --models.");
    }

    /// <summary>Of the repository that this program was built in, else of the working directory.</summary>
    public static string RepositoryModels()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (System.IO.File.Exists(Path.Combine(folder.FullName, "RnnService.sln")))
                return Path.Combine(folder.FullName, "models");
        }
        return "models";
    }

    private string File(string name) => Path.Combine(Root, Name, "1", name);
}
