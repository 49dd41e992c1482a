using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;
using RnnService.Api.Observability;

namespace RnnService.Api.Configuration;

internal static class OptionsRegistration
{
    public static void AddLimits(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddSingleton<IValidateOptions<LimitsOptions>, LimitsOptionsValidator>();
        services.AddSingleton<IValidateOptions<LimitsOptions>>(new UnknownSettings(configuration));
        services.AddOptions<LimitsOptions>().Bind(configuration.GetSection(LimitsOptions.Section)).ValidateOnStart();
        services.Configure<KestrelServerOptions>(kestrel =>
        {
            kestrel.AddServerHeader = false;
            // RequestBody holds to Limits:BodyBytes and says so. Kestrel's own limit would cut the connection before the caller reads that.
            kestrel.Limits.MaxRequestBodySize = null;
        });
    }

    public static void AddRequestLog(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddSingleton<IValidateOptions<RequestLogOptions>, RequestLogOptionsValidator>();
        services.AddOptions<RequestLogOptions>().Bind(configuration.GetSection(RequestLogOptions.Section)).ValidateOnStart();
    }
}
