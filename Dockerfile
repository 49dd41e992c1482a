# docker build -t rnn-service .   ->   docker run --rm -p 8080:8080 rnn-service

FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /src
ENV DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
# --ucr: for the platform the image is built on, so that only its native libraries come along. ReadyToRun: starts a quarter sooner.
ARG PUBLISH="--ucr -p:PublishReadyToRun=true"

# What decides which packages are needed, and nothing else, so that this layer stays cached while code changes.
COPY global.json NuGet.config Directory.Build.props Directory.Build.targets Directory.Packages.props ./
COPY src/onnxruntime-feed/ src/onnxruntime-feed/
COPY src/RnnService.Core/RnnService.Core.csproj src/RnnService.Core/
COPY src/RnnService.Inference/RnnService.Inference.csproj src/RnnService.Inference/
COPY src/RnnService.Api/RnnService.Api.csproj src/RnnService.Api/
# Where no NuGet source has ONNX Runtime, src/onnxruntime-feed packs it from npm packages, and only then npm is needed.
RUN restore() { dotnet restore src/RnnService.Api $PUBLISH; }; \
    restore || { \
        ! command -v npm && apt-get update -qq && \
        DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends npm >/dev/null && restore; }

COPY .editorconfig ./
COPY src/ src/
RUN dotnet publish src/RnnService.Api $PUBLISH -c Release --no-restore --no-self-contained -p:UseAppHost=false -o /out/app
COPY models/ /out/models/
# readable by the user below, whatever the umask of the clone was
RUN chmod -R a+rX /out

FROM mcr.microsoft.com/dotnet/aspnet:10.0
LABEL org.opencontainers.image.title="RnnService" \
      org.opencontainers.image.description="Serves exported RNN, LSTM and GRU classifiers over HTTP" \
      org.opencontainers.image.licenses="MIT"
# all interfaces of the container; the log is JSON lines here (DOTNET_RUNNING_IN_CONTAINER)
ENV ASPNETCORE_HTTP_PORTS=8080 \
    ORT_DISABLE_TELEMETRY=1
WORKDIR /app
COPY --from=build /out/app/ ./
COPY --from=build /out/models/ models/
USER $APP_UID
EXPOSE 8080
# The image has no curl. Ready, not live: a gateway waits for the models.
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/${ASPNETCORE_HTTP_PORTS%%;*} && printf 'GET /health/ready HTTP/1.0\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [ \"$status\" = 200 ]"]
ENTRYPOINT ["dotnet", "RnnService.Api.dll"]
