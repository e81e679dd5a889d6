using Microsoft.AspNetCore.Http;

namespace TimmFeatures.Service.Http;

/// <summary>How much is under way. Who comes when it is full is told to come again, and costs nothing more. Thread safe.</summary>
internal sealed class Admission(ServiceLimits limits)
{
    private int _pictures;
    private long _bytes;

    /// <summary>Pictures that are not answered yet.</summary>
    public int Pictures => Volatile.Read(ref _pictures);

    /// <summary>Bytes of bodies that are held.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Takes a request's pictures in, until the ticket is given back.</summary>
    /// <param name="pictures">How many.</param>
    /// <param name="field">What the request calls them.</param>
    /// <exception cref="ServiceProblemException">413: more than a request may have; 429: more than there is room for now.</exception>
    public Ticket Enter(int pictures, string field)
    {
        CheckPictures(pictures, field);
        if (Interlocked.Add(ref _pictures, pictures) <= limits.Queue)
            return new Ticket(this, pictures);
        Interlocked.Add(ref _pictures, -pictures);
        throw new ServiceProblemException(StatusCodes.Status429TooManyRequests, $"{limits.Queue} pictures may be under way at once, and there is no room for {pictures} more now. Come again soon.");
    }

    /// <summary>Refuses requests of too many pictures, as soon as it shows.</summary>
    /// <param name="pictures">How many.</param>
    /// <param name="field">What the request calls them.</param>
    public void CheckPictures(int pictures, string field)
    {
        if (pictures > limits.MaxPictures || pictures > limits.Queue)
            throw new ServiceProblemException(StatusCodes.Status413PayloadTooLarge, $"A request may have {Math.Min(limits.MaxPictures, limits.Queue)} pictures; this one has more.", field);
    }

    public void EnterBytes(int bytes)
    {
        if (Interlocked.Add(ref _bytes, bytes) <= limits.MaxBodies)
            return;
        Interlocked.Add(ref _bytes, -bytes);
        throw new ServiceProblemException(StatusCodes.Status429TooManyRequests, $"The bodies of all requests may have {limits.MaxBodies} bytes at once, and there is no room for this one now. Come again soon.");
    }

    public void LeaveBytes(int bytes) => Interlocked.Add(ref _bytes, -bytes);

    /// <summary>Room for pictures.</summary>
    public sealed class Ticket(Admission admission, int pictures) : IDisposable
    {
        private int _pictures = pictures;

        public void Dispose() => Interlocked.Add(ref admission._pictures, -Interlocked.Exchange(ref _pictures, 0));
    }
}
