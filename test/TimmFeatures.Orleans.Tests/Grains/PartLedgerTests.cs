using TimmFeatures.Orleans.Grains;

namespace TimmFeatures.Orleans.Tests.Grains;

/// <summary>Who gets which part, and what becomes of parts that are lost, done twice, failed or begun anew.</summary>
[TestClass]
public sealed class PartLedgerTests
{
    private static readonly TimeSpan s_lease = TimeSpan.FromSeconds(60);
    private static readonly WorkerInfo s_a = new("a", ["cpu"]), s_b = new("b", ["cpu", "cuda"]);

    private readonly ManualClock _clock = new();
    private readonly JobState _state = new();
    private PartLedger _ledger;

    public PartLedgerTests() => _ledger = new PartLedger(_state, _clock, s_lease);

    [TestMethod]
    public void Every_part_is_leased_once_and_when_all_are_done_they_are_joined_once()
    {
        Begin(3);
        PartLease[] leases = [Lease(s_a), Lease(s_b), Lease(s_a)];
        CollectionAssert.AreEqual(new[] { 0, 1, 2 }, leases.Select(l => l.Part).ToArray());
        Assert.IsNull(_ledger.Lease(s_b, out _).Lease);
        Assert.AreEqual(0, _ledger.Waiting);
        foreach (PartLease lease in leases)
            Assert.IsTrue(_ledger.Complete(lease, Outcome(10)));
        Assert.AreEqual(JobPhase.Merging, _state.Phase);
        PartLease merge = Lease(s_a);
        Assert.AreEqual(PartLease.Merge, merge.Part);
        Assert.IsNull(_ledger.Lease(s_b, out _).Lease);
        Assert.IsTrue(_ledger.Complete(merge, Outcome(30)));
        Assert.AreEqual(JobPhase.Done, _state.Phase);
        Assert.IsTrue(_ledger.Lease(s_a, out _).HasEnded);
        Assert.AreEqual(30, _state.PicturesDone);
    }

    [TestMethod]
    public void A_part_whose_worker_gives_no_sign_of_life_goes_to_another_and_done_twice_it_counts_once()
    {
        Begin(2);
        PartLease first = Lease(s_a), second = Lease(s_a);
        _clock.Pass(40);
        Assert.IsTrue(_ledger.Heartbeat(second, "a", 3));
        _clock.Pass(40);
        PartLease again = _ledger.Lease(s_b, out bool changed).Lease!;
        Assert.IsTrue(changed);
        Assert.AreEqual(first.Part, again.Part);
        Assert.IsNull(_ledger.Lease(s_b, out _).Lease);
        // The lost worker was only slow: it is told to stop, and what it has published is as good.
        Assert.IsFalse(_ledger.Heartbeat(first, "a", 5));
        Assert.IsTrue(_ledger.Complete(first, Outcome(10)));
        Assert.IsFalse(_ledger.Complete(again, Outcome(10)));
        Assert.AreEqual((1, 10), (_state.PartsDone, _state.PicturesDone));
    }

    [TestMethod]
    public void The_time_of_day_changes_no_lease()
    {
        Begin(1);
        PartLease lease = Lease(s_a);
        _clock.Now += TimeSpan.FromDays(400);
        Assert.IsNull(_ledger.Lease(s_b, out _).Lease);
        _clock.Now -= TimeSpan.FromDays(800);
        _clock.Pass(59);
        Assert.IsTrue(_ledger.Heartbeat(lease, "a", 1));
    }

    [TestMethod]
    public void A_job_on_another_silo_learns_of_its_workers_before_it_leases_anything()
    {
        Begin(2);
        PartLease lease = Lease(s_a);
        _ledger = new PartLedger(_state, _clock, s_lease);
        _ledger.Move();
        Assert.IsNull(_ledger.Lease(s_b, out _).Lease);
        Assert.IsTrue(_ledger.Heartbeat(lease, "a", 4));
        Assert.AreEqual(4, _ledger.PicturesDone);
        _clock.Pass(31);
        Assert.AreEqual(1, Lease(s_b).Part);
        Assert.IsNull(_ledger.Lease(s_b, out _).Lease);
    }

    [TestMethod]
    public void A_part_that_fails_again_and_again_fails_the_job_when_the_others_are_done()
    {
        Begin(2);
        for (int i = 0; i < PartLedger.MaxAttempts; i++)
        {
            PartLease bad = Lease(s_a);
            Assert.AreEqual(0, bad.Part);
            Assert.IsTrue(_ledger.Fail(bad, "a: the disk is full"));
            Assert.IsFalse(_ledger.Fail(bad, "said twice"));
        }
        Assert.AreEqual(JobPhase.Computing, _state.Phase);
        _ledger.Complete(Lease(s_b), Outcome(10));
        Assert.AreEqual(JobPhase.Failed, _state.Phase);
        Assert.Contains("1 of 2 parts failed 4 times; part 0: a: the disk is full", _state.Error!);

        Assert.IsTrue(_ledger.Retry());
        Assert.AreEqual(0, Lease(s_b).Part);
        Assert.IsNull(_ledger.Lease(s_b, out _).Lease);
    }

    [TestMethod]
    public void Workers_that_refuse_or_lack_the_device_get_nothing()
    {
        Begin(2, "cuda");
        Assert.IsNull(_ledger.Lease(s_a, out _).Lease);
        PartLease lease = Lease(s_b);
        Assert.IsTrue(_ledger.Refuse(lease, "b", "other weights"));
        Assert.IsNull(_ledger.Lease(s_b, out _).Lease);
        Assert.AreEqual(2, _ledger.Waiting);
        Assert.AreEqual("other weights", _state.Refusals["b"]);
        Assert.IsTrue(_ledger.Retry());
        Assert.AreEqual(0, Lease(s_b).Part);
    }

    [TestMethod]
    public void Of_many_refusals_the_newest_are_known()
    {
        Begin(1);
        for (int worker = 0; worker < 300; worker++)
            Assert.IsTrue(_ledger.Refuse(Lease(new($"{worker}", ["cpu"])), $"{worker}", "other weights"));
        CollectionAssert.AreEqual(Enumerable.Range(44, 256).Select(w => $"{w}").ToArray(), _state.Refusals.Keys.ToArray());
        Assert.IsFalse(_ledger.Refuse(new PartLease("job", 0, Guid.NewGuid(), 1, false, s_lease), "50", "other weights"));
        Assert.HasCount(256, _state.Refusals);
    }

    [TestMethod]
    public void Begun_anew_are_parts_with_bad_pictures_and_no_others()
    {
        Begin(3);
        _ledger.Complete(Lease(s_a), Outcome(10));
        _ledger.Complete(Lease(s_a), new PartOutcome(10, 2, [new FailedPicture(11, "x", "is none")]));
        _ledger.Complete(Lease(s_a), Outcome(10));
        PartLease merge = Lease(s_a);
        _ledger.Complete(merge, Outcome(30));
        Assert.AreEqual((2, 1), (_state.PicturesFailed, _state.FirstFailures.Count));
        Assert.IsTrue(_ledger.Retry());
        Assert.AreEqual((20, 0), (_state.PicturesDone, _state.PicturesFailed));
        PartLease again = Lease(s_b);
        Assert.IsTrue(again is { Part: 1, Again: true, Round: 2 });
        Assert.IsFalse(_ledger.Complete(merge, Outcome(30)), "What was leased in the round before is nothing to this one.");
        Assert.IsTrue(_ledger.Complete(again, Outcome(10)));
        _ledger.Complete(Lease(s_b), Outcome(30));
        Assert.AreEqual(JobPhase.Done, _state.Phase);
        Assert.IsFalse(_ledger.Retry());
    }

    [TestMethod]
    public void A_cancelled_job_stops_its_workers_and_goes_on_where_it_was()
    {
        Begin(2);
        _ledger.Complete(Lease(s_a), Outcome(10));
        PartLease lease = Lease(s_a);
        _ledger.Cancel();
        Assert.IsFalse(_ledger.Heartbeat(lease, "a", 1));
        Assert.IsTrue(_ledger.Lease(s_a, out _).HasEnded);
        Assert.IsTrue(_ledger.Retry());
        Assert.AreEqual(1, Lease(s_b).Part);
        Assert.IsFalse(_ledger.Complete(lease, Outcome(10)), "It was of the round before.");
    }

    [TestMethod]
    public void A_worker_that_ends_gives_its_part_back_at_once()
    {
        Begin(1);
        PartLease lease = Lease(s_a);
        _ledger.Release(lease);
        Assert.AreEqual(0, Lease(s_b).Part);
        Assert.IsEmpty(_state.Failures);
    }

    private void Begin(int parts, string device = "cpu") => _ledger.Begin(new NewJob("job", "{}", "model", "out.npy", device, parts * 10, parts));

    private PartLease Lease(WorkerInfo worker) => _ledger.Lease(worker, out _).Lease ?? throw new AssertFailedException($"There is no part for {worker.Name}.");

    private static PartOutcome Outcome(int pictures) => new(pictures, 0, []);
}
