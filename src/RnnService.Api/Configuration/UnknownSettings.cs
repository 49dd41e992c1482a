using Microsoft.Extensions.Options;
using RnnService.Api.Observability;
using RnnService.Inference.Batching;
using RnnService.Inference.Models;

namespace RnnService.Api.Configuration;

/// <summary>A setting that nobody reads is a misspelt one: it stops the start instead of being ignored.</summary>
internal sealed class UnknownSettings(IConfiguration configuration) : IValidateOptions<LimitsOptions>
{
    public ValidateOptionsResult Validate(string? name, LimitsOptions options)
    {
        string[] faults =
        [
            .. Unknown(ModelsOptions.Section, typeof(ModelsOptions)),
            .. Unknown(LimitsOptions.Section, typeof(LimitsOptions)),
            .. Unknown(BatchingOptions.Section, typeof(BatchingOptions)),
            .. configuration.GetSection($"{BatchingOptions.Section}:Models").GetChildren().SelectMany(m => Unknown(m.Path, typeof(BatchingSettings))),
            .. Unknown(RequestLogOptions.Section, typeof(RequestLogOptions)),
        ];
        return faults.Length == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    private IEnumerable<string> Unknown(string section, Type options)
    {
        var known = options.GetProperties().Where(p => p.CanWrite || p.PropertyType.IsGenericType).Select(p => p.Name).ToArray();
        return configuration.GetSection(section).GetChildren()
            .Where(c => !known.Contains(c.Key, StringComparer.OrdinalIgnoreCase))
            .Select(c => $"{section}:{c.Key}: there is no such setting; there are {string.Join(", ", known)}.");
    }
}
