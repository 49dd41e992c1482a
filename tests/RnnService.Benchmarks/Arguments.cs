using System.Globalization;

namespace RnnService.Benchmarks;

/// <summary>What follows the command: pairs of <c>--name value</c>.</summary>
internal sealed class Arguments
{
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);
    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);

    /// <exception cref="UsageException">A name without its value, or a value without a name.</exception>
    public Arguments(IEnumerable<string> words)
    {
        string? name = null;
        foreach (var word in words)
        {
            if (name is not null)
            {
                _values[name] = word;
                name = null;
            }
            else if (word.StartsWith("--", StringComparison.Ordinal))
                name = word;
            else
                throw new UsageException($"\"{word}\" follows no option.");
        }
        if (name is not null)
            throw new UsageException($"{name} needs a value.");
    }

    public string? Text(string name)
    {
        _asked.Add(name);
        return _values.GetValueOrDefault(name);
    }

    /// <summary>A number of at least <paramref name="least"/>.</summary>
    /// <exception cref="UsageException">It is none, or too small.</exception>
    public double Number(string name, double unlessSaid, double least)
    {
        if (Text(name) is not { } text)
            return unlessSaid;
        if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) || value < least)
            throw new UsageException($"{name} is a number of at least {least}, not \"{text}\".");
        return value;
    }

    /// <summary>To be called when every option has been asked for.</summary>
    /// <exception cref="UsageException">An option was given that nobody asked for.</exception>
    public void RefuseOthers()
    {
        if (_values.Keys.Except(_asked).FirstOrDefault() is { } unknown)
            throw new UsageException($"There is no option {unknown} here.");
    }
}

/// <summary>The command line is wrong; the message says how.</summary>
internal sealed class UsageException(string message) : Exception(message);
