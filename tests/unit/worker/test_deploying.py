from datetime import timedelta

from service.contracts.control import Halt
from service.contracts.ledger import Abort, Lift, Promote, SetRollout
from service.release.ledger import Ledger
from tests.unit.release.signed import AT, ONE, THREE, TWO, block, publish
from tests.unit.worker.standing import Bench

ROLLOUT = {"kind": SetRollout, "rollout": "r-1", "bundle": TWO, "percent": 10.0}


def make_halt(sequence: int) -> Halt:
    return Halt(rollout="r-1", sequence=sequence, cause="reject_share", message="x", worker="a:1", at=AT)


def test_nothing_decides_before_a_bundle_is_ready() -> None:
    """Neither an empty ledger nor one whose bundle is still being prepared."""
    bench = Bench(image=ONE)
    assert bench.deploy() is None
    bench.write(publish(TWO))
    assert bench.list_bundles() == (None, None)
    bench.prepare()
    assert bench.list_bundles() == (TWO, None)
    assert (bench.deployment.source, bench.deployment.sequence) == ("topic", 1)


def test_the_image_decides_where_it_may_until_a_bundle_is_published() -> None:
    """It is said to be the image's; while the published one is prepared, the image's goes on."""
    bench = Bench(image=ONE)
    bench.standing.allow_image()
    first = bench.deploy()
    assert first is not None
    assert (bench.list_bundles(), first.source) == ((ONE, None), "image")
    bench.write(publish(TWO))
    assert bench.list_bundles() == (ONE, None)
    bench.prepare()
    assert bench.list_bundles() == (TWO, None)


def test_the_image_s_own_bundle_is_not_prepared_again_when_it_is_published() -> None:
    """It lies in memory; from then on it is the topic's."""
    bench = Bench(image=ONE)
    now = bench.follow(publish(ONE))
    assert now is not None
    assert (bench.list_bundles(), now.source, bench.prepared) == ((ONE, None), "topic", [])


def test_a_refused_bundle_leaves_the_old_one_in_force() -> None:
    """It is told, and what comes later counts."""
    bench = Bench(unfit=(TWO,))
    bench.follow(publish(ONE), publish(TWO))
    assert bench.list_bundles() == (ONE, None)
    [refusal] = bench.standing.refusals
    assert (refusal.sequence, refusal.bundle, refusal.why) == (2, TWO, "its tests fail")
    assert bench.standing.settled_sequence == 2
    bench.follow(publish(THREE))
    assert bench.list_bundles() == (THREE, None)


def test_a_worker_that_starts_behind_a_bad_bundle_takes_the_one_before_it() -> None:
    """As the workers that were running when it was published."""
    bench = Bench(unfit=(THREE,))
    for told in (publish(ONE), publish(TWO), publish(THREE)):
        bench.writer.write(told)
    assert bench.standing.take(bench.writer.ledger) is None
    bench.prepare()
    assert bench.list_bundles() == (TWO, None)
    assert bench.prepared == [THREE, TWO]


def test_a_refused_bundle_is_tried_again_when_it_is_published_again() -> None:
    """Its records may have been incomplete the first time."""
    bench = Bench(unfit=(TWO,))
    bench.follow(publish(ONE), publish(TWO))
    bench.unfit = ()
    bench.follow(publish(TWO))
    assert bench.list_bundles() == (TWO, None)


def test_a_candidate_goes_from_shadow_to_live_without_being_prepared_twice() -> None:
    """Published, rolled out, promoted: prepared once, and live in one step."""
    bench = Bench()
    bench.follow(publish(ONE), publish(TWO, "candidate"), ROLLOUT)
    rollout = bench.deployment.rollout
    assert rollout is not None
    assert (bench.list_bundles(), rollout.percent, rollout.sequence) == ((ONE, TWO), 10.0, 3)
    bench.write({"kind": Promote, "bundle": TWO})
    assert bench.list_bundles() == (TWO, None)
    assert bench.deployment.rollout is None
    assert bench.prepared == [ONE, TWO]


def test_a_rollout_waits_for_its_candidate() -> None:
    """While the candidate is prepared, live decides all ads; a candidate that is refused never gets any."""
    bench = Bench(unfit=(TWO,))
    bench.follow(publish(ONE))
    bench.write(publish(TWO, "candidate"))
    bench.write(ROLLOUT)
    assert (bench.list_bundles(), bench.deployment.rollout) == ((ONE, None), None)
    bench.prepare()
    assert (bench.list_bundles(), bench.deployment.rollout) == ((ONE, None), None)
    assert bench.standing.refusals[0].bundle == TWO


def test_an_abort_takes_the_candidate_off() -> None:
    """At once."""
    bench = Bench()
    bench.follow(publish(ONE), publish(TWO, "candidate"), ROLLOUT)
    bench.write({"kind": Abort, "bundle": TWO})
    assert bench.list_bundles() == (ONE, None)


def test_a_halt_stops_a_rollout_and_not_a_later_one() -> None:
    """The candidate goes on beside live; setting the rollout anew is somebody's decision."""
    bench = Bench()
    bench.follow(publish(ONE), publish(TWO, "candidate"), ROLLOUT)
    bench.standing.halt(make_halt(3))
    now = bench.deploy()
    assert now is not None
    assert (bench.list_bundles(), now.rollout) == ((ONE, TWO), None)
    bench.write({**ROLLOUT, "percent": 1.0})
    assert bench.deployment.rollout is not None


def test_a_block_is_in_force_while_a_bundle_is_still_being_prepared() -> None:
    """An emergency waits for nothing; the entry counts as settled once the bundle before it is."""
    bench = Bench()
    bench.follow(publish(ONE))
    bench.write(publish(TWO))
    bench.write(block("b-1"))
    assert (bench.list_bundles(), bench.deployment.blocks.count_in_force(AT)) == ((ONE, None), 1)
    assert bench.standing.settled_sequence == 1
    bench.prepare()
    assert bench.standing.settled_sequence == 3
    bench.write({"kind": Lift, "block": "b-1"})
    assert bench.deployment.blocks.count_in_force(AT) == 0


def test_a_block_that_cannot_be_looked_for_does_not_take_the_others_with_it() -> None:
    """It is told as refused, once."""
    bench = Bench()
    bench.follow(publish(ONE), block("bad", "not a host"), block("good", "evil.example"))
    assert bench.deployment.blocks.count_in_force(AT) == 1
    assert bench.deployment.blocks.count_in_force(AT + timedelta(days=3)) == 0
    [(sequence, why)] = bench.standing.take_bad_blocks()
    assert (sequence, "block 'bad'" in why) == (2, True)
    assert bench.standing.take_bad_blocks() == []


def test_a_ledger_that_lost_entries_is_not_followed() -> None:
    """A topic that was deleted or rewritten must not bring an old state back."""
    bench = Bench()
    bench.follow(publish(ONE), publish(TWO))
    lost = bench.standing.take(Ledger())
    assert lost is not None
    assert "restore the topic" in lost.why
    bench.prepare()
    assert bench.list_bundles() == (TWO, None)


def test_reading_the_same_ledger_again_changes_nothing() -> None:
    """A new connection begins with all that is there."""
    bench = Bench()
    bench.follow(publish(ONE), block("b-1"))
    before = bench.now
    assert bench.standing.take(bench.writer.ledger) is None
    assert bench.deploy() == before


def test_the_same_refusal_is_news_once_and_only_the_latest_are_kept() -> None:
    """A reader that connects again meets the same bad records."""
    standing = Bench().standing
    assert standing.refuse(3, None, "not signed")
    assert not standing.refuse(3, None, "not signed")
    for sequence in range(100):
        standing.refuse(sequence, None, "x" * 10_000)
    assert len(standing.refusals) == 20
    assert len(standing.refusals[0].why) == 4_000
