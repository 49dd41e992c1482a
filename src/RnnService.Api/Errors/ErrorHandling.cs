using Microsoft.AspNetCore.Diagnostics;
using RnnService.Api.Observability;

namespace RnnService.Api.Errors;

internal static class ErrorHandling
{
    /// <summary>Everything that ends without a body of its own, or in an exception, becomes a problem document.</summary>
    public static void UseProblemDocuments(this WebApplication app)
    {
        app.UseExceptionHandler(new ExceptionHandlerOptions
        {
            SuppressDiagnosticsCallback = context => context.Exception is BadHttpRequestException or OperationCanceledException,
            ExceptionHandler = static context =>
            {
                RequestId.Show(context);   // the middleware has cleared the headers
                var exception = context.Features.Get<IExceptionHandlerFeature>()?.Error;
                int status = exception is BadHttpRequestException bad ? bad.StatusCode : StatusCodes.Status500InternalServerError;
                return Problem.OfStatus(status, context.Request).WriteAsync(context);
            },
        });
        app.UseStatusCodePages(static pages => Problem.OfStatus(pages.HttpContext.Response.StatusCode, pages.HttpContext.Request).WriteAsync(pages.HttpContext));
    }
}
