using System.Text;

namespace RnnService.Api.Tests.Predict;

/// <summary>Valid bodies with a few random changes; the same for the same seed.</summary>
internal static class Mutations
{
    private static readonly byte[][] Bodies =
    [
        .. new[]
        {
            """{"inputs":["When did CNN begin broadcasting ?"]}""",
            """{"model":"questions","version":"1","inputs":[{"id":"q2","text":"Who was Galileo ?"},{"tokens":["What","is","LSTM","?"]},{"ids":[12,7,3]}],"top_k":3,"decoding":"best_path","threshold":0.5}""",
            """{"inputs":[{"ids":[1,2,3,4,5,6,7,8]},"caf\u00e9 \ud83d\ude00"],"threshold":0,"decoding":"independent"}""",
        }.Select(Encoding.UTF8.GetBytes),
    ];

    private static readonly byte[][] Parts =
    [
        .. new[]
        {
            "\"", "\\", "{", "}", "[", "]", ":", ",", "null", "true", "-1", "1e999", "0.5", "\\ud800", "\\u0000", "\"id\":\"x\",", "\"ids\":[1],", "\"text\":", "\"inputs\":[\"a\"],",
            "\"features\":[[1]],", "99999999999", "[[[[[[[[", " ", "\n", "é", "😀",
        }.Select(Encoding.UTF8.GetBytes),
        [0xff], [0xc3], [0xed, 0xa0, 0x80], [0x00],
    ];

    public static IReadOnlyList<byte[]> Make(int seed, int count)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => Mutate(random))];
    }

    private static byte[] Mutate(Random random)
    {
        var body = Bodies[random.Next(Bodies.Length)].ToList();
        for (int changes = random.Next(1, 4); changes > 0; changes--)
        {
            int at = random.Next(body.Count + 1);
            int length = Math.Min(random.Next(1, 12), body.Count - at);
            switch (random.Next(5))
            {
                case 0 when at < body.Count:
                    body[at] = (byte)random.Next(256);
                    break;
                case 1 when at < body.Count:
                    body[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    body.RemoveRange(at, length);
                    break;
                case 3:
                    body.InsertRange(at, body.GetRange(at, length));
                    break;
                default:
                    body.InsertRange(at, Parts[random.Next(Parts.Length)]);
                    break;
            }
        }
        return [.. body];
    }
}
