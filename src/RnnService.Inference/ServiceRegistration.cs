using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using RnnService.Inference.Batching;
using RnnService.Inference.Models;

namespace RnnService.Inference;

public static class ServiceRegistration
{
    /// <summary>Adds the model repository and loads its models when the host starts.</summary>
    public static IServiceCollection AddInference(this IServiceCollection services, IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        services.AddSingleton<IValidateOptions<ModelsOptions>, ModelsOptionsValidator>();
        services.AddOptions<ModelsOptions>().Bind(configuration.GetSection(ModelsOptions.Section)).ValidateOnStart();
        services.AddSingleton<IValidateOptions<BatchingOptions>, BatchingOptionsValidator>();
        services.AddOptions<BatchingOptions>().Bind(configuration.GetSection(BatchingOptions.Section)).ValidateOnStart();
        services.AddSingleton<EngineHealth>();
        services.AddSingleton<ModelLoader>();
        services.AddSingleton<VersionLoading>();
        services.AddSingleton(s => new ModelRepository(s.GetRequiredService<IOptions<ModelsOptions>>(), s.GetRequiredService<VersionLoading>(), s.GetRequiredService<EngineHealth>(), s.GetRequiredService<ILogger<ModelRepository>>()));
        services.AddHostedService<ModelLoading>();
        return services;
    }
}
