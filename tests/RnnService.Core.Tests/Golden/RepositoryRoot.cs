namespace RnnService.TestData;

/// <summary>Where the repository lies, found from where the tests run.</summary>
internal static class RepositoryRoot
{
    public static string Folder { get; } = Find();

    public static string Models => Combine("models");

    /// <summary>A path below the repository's root.</summary>
    public static string Combine(params string[] parts) => Path.Combine([Folder, .. parts]);

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "RnnService.sln")))
                return folder.FullName;
        }
        throw new DirectoryNotFoundException($"No folder above {AppContext.BaseDirectory} holds RnnService.sln.");
    }
}
