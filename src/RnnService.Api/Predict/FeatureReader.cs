using System.Text.Json;
using RnnService.Core.Batching;

namespace RnnService.Api.Predict;

/// <summary>Reads <c>features</c>: an array of time steps, each an array with one number for each channel, or null where it is missing.</summary>
internal static class FeatureReader
{
    private const string Field = "features";

    /// <param name="json">Stands on the value, afterwards on its end.</param>
    /// <param name="item">Index of the item, for pointers.</param>
    /// <param name="channels">Numbers of a time step.</param>
    /// <param name="missingAllowed">Whether null has a meaning for the model.</param>
    /// <param name="maxLength">Longest sequence; one step more is still counted, the rest skipped.</param>
    /// <param name="raw">Receives the numbers, NaN for null; the open sequence must be empty.</param>
    /// <param name="faults">Receives what is wrong.</param>
    /// <returns>The number of time steps; null when something was wrong.</returns>
    public static int? Read(ref Utf8JsonReader json, int item, int channels, bool missingAllowed, int maxLength, Sequences<float> raw, RequestFaults faults)
    {
        if (json.TokenType != JsonTokenType.StartArray)
        {
            faults.Add(JsonPointer.Item(item, Field), $"\"features\" is an array of time steps, not {PredictRequestReader.Kind(json.TokenType)}.");
            json.Skip();
            return null;
        }
        bool right = true;
        int step = 0;
        for (; json.Read() && json.TokenType != JsonTokenType.EndArray; step++)
        {
            if (step > maxLength || faults.Full)
                json.Skip();
            else if (json.TokenType == JsonTokenType.StartArray)
                right &= ReadStep(ref json, item, step, channels, missingAllowed, raw, faults);
            else
            {
                faults.Add(JsonPointer.Item(item, Field, step), $"A time step is an array of {channels} number(s), not {PredictRequestReader.Kind(json.TokenType)}.");
                json.Skip();
                right = false;
            }
        }
        if (step == 0)
            faults.Add(JsonPointer.Item(item, Field), "The sequence is empty; a sequence has at least 1 time step.");
        return right && step > 0 ? step : null;
    }

    private static bool ReadStep(ref Utf8JsonReader json, int item, int step, int channels, bool missingAllowed, Sequences<float> raw, RequestFaults faults)
    {
        int channel = 0;
        bool right = true;
        for (; json.Read() && json.TokenType != JsonTokenType.EndArray; channel++)
        {
            float value = float.NaN;
            string? fault = json.TokenType switch
            {
                JsonTokenType.Number => json.TryGetDouble(out double number) && float.IsFinite(value = (float)number) ? null : "This number is too large; a feature is a finite number in single precision.",
                JsonTokenType.Null => missingAllowed ? null : "The value is missing, and the model does not say what stands for it. Send a number, or state \"missing\" in the features of its model.json.",
                _ => $"A feature is a number, or null where it is missing, not {PredictRequestReader.Kind(json.TokenType)}.",
            };
            if (fault is not null)
            {
                if (channel < channels)
                    faults.Add(JsonPointer.Item(item, $"{Field}/{step}", channel), fault);
                json.Skip();
                right = false;
            }
            if (channel < channels)
                raw.Add(value);
        }
        if (channel == channels)
            return right;
        faults.Add(JsonPointer.Item(item, Field, step), $"The time step has {channel} value(s), but the model takes {channels}, one for each channel.");
        return false;
    }
}
