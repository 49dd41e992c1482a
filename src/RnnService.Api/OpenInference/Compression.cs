using System.IO.Compression;
using Microsoft.AspNetCore.ResponseCompression;

namespace RnnService.Api.OpenInference;

/// <summary>Compressed bodies, as the protocol's clients send and ask for them: under <see cref="OpenInferenceEndpoints.Root"/> only, where bodies are large.</summary>
internal static class Compression
{
    public static void AddTensorCompression(this IServiceCollection services)
    {
        services.AddRequestDecompression();
        services.AddResponseCompression(options =>
        {
            options.EnableForHttps = true;   // the answers hold no secret that a caller could guess at
            options.MimeTypes = ["application/json", "application/octet-stream"];
            options.Providers.Add<GzipCompressionProvider>();
            options.Providers.Add<DeflateProvider>();
        });
        services.Configure<GzipCompressionProviderOptions>(o => o.Level = CompressionLevel.Fastest);
    }

    public static void UseTensorCompression(this WebApplication app) => app.UseWhen(
        static context => context.Request.Path.StartsWithSegments(OpenInferenceEndpoints.Root, StringComparison.Ordinal),
        static branch => branch.UseRequestDecompression().UseResponseCompression());

    /// <summary>What HTTP calls deflate is zlib's format.</summary>
    private sealed class DeflateProvider : ICompressionProvider
    {
        public string EncodingName => "deflate";

        public bool SupportsFlush => true;

        public Stream CreateStream(Stream outputStream) => new ZLibStream(outputStream, CompressionLevel.Fastest, leaveOpen: true);
    }
}
