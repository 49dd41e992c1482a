#!/usr/bin/env bash
# make-feed.sh PACKAGE VERSION   (Linux x64 only; feed.targets runs it before a restore)
#
# Sees to it that PACKAGE (Microsoft.ML.OnnxRuntime or Microsoft.ML.OnnxRuntime.Gpu) can be restored. Where a configured NuGet
# source gives it, that is all. Where none does, it is packed into packages/ from npm packages, pinned by package-lock.json.
# Progress goes to standard output; what failed and what to do, to standard error.
set -euo pipefail

package=$1
version=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
nupkg=$here/packages/$package.$version.nupkg
id=${package,,}
dotnet=${DOTNET_HOST_PATH:-dotnet}

# Parallel builds take turns. The lock stays with flock (-o), so that nothing started below can keep it.
if [[ ${3:-} != locked ]]; then exec flock -o "$here/packages/.lock" bash "$here/make-feed.sh" "$package" "$version" locked; fi
if [[ -f $nupkg || -f ${NUGET_PACKAGES:-$HOME/.nuget/packages}/$id/$version/.nupkg.metadata ]]; then exit 0; fi

# Inside a build MSBuild's own variables would steer the nested dotnet, and no build server may stay behind.
for variable in "${!MSBUILD@}" "${!MSBuild@}"; do unset "$variable"; done
export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0 DOTNET_NOLOGO=1
# The sources are the repository's, its hooks are not.
isolated=(-nodeReuse:false -p:RestoreRootConfigDirectory="$root" -p:ImportDirectoryBuildProps=false
    -p:ImportDirectoryBuildTargets=false -p:ImportDirectoryPackagesProps=false -p:FeedPackage="$package" -p:FeedVersion="$version")

work=$(mktemp -d)
trap 'rm -rf "$work" "$nupkg.part"' EXIT
mkdir "$work/probe" "$work/package"

# fail WHAT [LOG]: LOG's first errors become part of the message.
fail() {
    local detail=
    if [[ -n ${2:-} ]]; then
        detail=$(grep -E '^npm (ERR!|error)|: error ' "$2" | grep -vE '^npm (ERR!|error) (code|syscall|errno|path|A complete log)' |
            head -n 2 | sed -E 's/^npm (ERR!|error) +//' | tr '\n' ' ') || true
    fi
    echo "That failed: $1${detail:+: $detail}. Add a NuGet source that has the package, or put this right, and build again;" \
        "see src/onnxruntime-feed/README.md." >&2
    exit 1
}

# Without NuGet's HTTP cache, so that neither an old "not found" is believed nor this one remembered.
cp "$here/probe.csproj" "$work/probe"
if "$dotnet" restore "$work/probe/probe.csproj" --no-http-cache "${isolated[@]}" >"$work/probe.log" 2>&1; then exit 0; fi
reason=$(grep -oE 'error [A-Z]+[0-9]+' "$work/probe.log" | head -n 1) || true
echo "No configured NuGet source gives $package $version (${reason:-no answer}): packing it from npm packages, once."

command -v npm >/dev/null || fail "npm is not installed"
cp "$here"/{package.csproj,package.json,package-lock.json,.npmrc} "$work/package"
cd "$work/package"
if [[ $package == *.Gpu ]]; then providers=--include=dev; else providers=--omit=dev; fi
npm ci --ignore-scripts --no-audit --no-fund "$providers" </dev/null >"$work/npm.log" 2>&1 || fail "npm ci" "$work/npm.log"
grep -qaF "VERS_$version" node_modules/com.github.asus4.onnxruntime/Plugins/Linux/x64/libonnxruntime.so ||
    fail "the npm packages in package.json hold another version of ONNX Runtime"

"$dotnet" pack package.csproj -c Release "${isolated[@]}" >"$work/pack.log" 2>&1 || fail "dotnet pack" "$work/pack.log"
cp "out/$package.$version.nupkg" "$nupkg.part"
mv "$nupkg.part" "$nupkg"
