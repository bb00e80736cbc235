from datetime import timedelta
from pathlib import Path

import pytest

from service.answer import LiveBundle, Received
from service.contracts.decision import Source
from service.contracts.reading import UnreadableSubmissionError, read_submission
from service.demo.ads import make_records
from service.moderate import moderate
from service.moderate.trace import Trace
from service.moderate.tracing import name_reason, trace_ad
from service.rules import AdView
from tests.moderating import NOW, load_shipped, make_classifier, make_small_bundle, receive, say

SHIFTING = """\
rules:
  - id: raise-it
    policy: gambling
    when: ['ad.vertical == "retail"']
    action: raise
    by: 0.5
  - id: off
    policy: gambling
    when: ["true"]
    action: reject
    enabled: false
"""


def read_demo() -> list[Received]:
    received = []
    for offset, (_, value) in enumerate(make_records(NOW)):
        try:
            submission, _ = read_submission(value)
        except UnreadableSubmissionError:
            continue
        received.append(receive(submission.model_dump(mode="json"), offset))
    return received


@pytest.fixture
def small(tmp_path: Path) -> LiveBundle:
    return make_small_bundle(tmp_path, make_classifier({"maybe": (0.5, 0.0)}), ("rules:\n", SHIFTING))


def test_a_trace_tells_what_moderate_does() -> None:
    """For each of the demo's ads: the same decision, the same rules fired, each score's outcome a reason's or none."""
    shipped = load_shipped()
    for received in read_demo():
        trace = trace_ad(received, shipped, NOW)
        (moderated,) = moderate([received], shipped, NOW)
        assert trace.decision == moderated.decision
        strategy = shipped.strategies.strategy_for(received.submission, NOW)
        results = strategy.evaluate_rules([AdView(received.submission)], [moderated.decision.scores], NOW)[0]
        fired = {rule.id for rule in trace.rules if rule.state == "fired"}
        assert fired == {result.rule for result in results if not result.failure}
        told = {(s.policy, s.outcome) for s in trace.scores if s.outcome != "approve"}
        reasons = moderated.decision.reasons
        assert told == {(r.policy, r.outcome) for r in reasons if r.source is Source.MODEL}
        assert [s.id for s in trace.strategies if s.applies] == list(strategy.layers)


def test_a_rule_is_traced_down_to_its_conditions(small: LiveBundle) -> None:
    """Each condition has its value and its place; what a rule looks for has its hits; a rule may be switched off."""
    trace = trace_ad(say("maybe casino"), small, NOW)
    rules = {rule.id: rule for rule in trace.rules}
    assert rules["raise-it"].state == "fired"
    assert [(c.text, c.value) for c in rules["raise-it"].conditions] == [('ad.vertical == "retail"', True)]
    assert rules["raise-it"].conditions[0].place.startswith("default.yaml:")
    assert rules["off"].state == "switched off"
    assert rules["big-discount"].state == "did not fire"
    assert [c.value for c in rules["big-discount"].conditions] == [False]
    matched = rules["casino-words"].matched
    assert matched is not None
    assert [(item.field, item.excerpt) for item in matched] == [("creative.headline", "casino")]
    assert trace.hits == ("terms/casino: casino (base)",)


def test_a_score_is_shown_as_given_and_as_judged(small: LiveBundle) -> None:
    """A raising rule moves 0.5 to 1.0, which rejects; thresholds have their places."""
    score = next(s for s in trace_ad(say("maybe"), small, NOW).scores if s.policy == "gambling")
    assert (score.score, score.judged, score.outcome) == (0.5, 1.0, "reject")
    assert "raise-it" in score.how
    assert score.approve_below.value == 0.4
    assert score.approve_below.place.startswith("default.yaml:")


def test_a_condition_that_fails_says_why(tmp_path: Path) -> None:
    """The rule's state is failed, and the condition tells the engine's words."""
    condition = "has(ad.attributes.n) && int(ad.attributes.n) > 3"
    rule = f"rules:\n  - {{id: odd, policy: gambling, when: ['{condition}'], action: review}}\n"
    bundle = make_small_bundle(tmp_path, make_classifier(), ("rules:\n", rule))
    trace = trace_ad(say("x", attributes={"n": "many"}), bundle, NOW)
    (odd,) = (rule for rule in trace.rules if rule.id == "odd")
    assert odd.state == "failed"
    assert odd.conditions[0].value is None
    assert odd.conditions[0].failure
    assert trace.decision.outcome == "review"


def test_strategies_say_why_they_do_not_apply() -> None:
    """Of the shipped ones: another market, another vertical, or a period that has not begun or is over."""
    shipped = load_shipped()
    trace = trace_ad(say("x", market="GB", vertical="retail"), shipped, NOW)
    by_id = {strategy.id: strategy for strategy in trace.strategies}
    assert by_id["default"].why == "it covers every ad"
    assert {s.id for s in trace.strategies} == {layer.id for layer in shipped.strategies.layers}
    assert all("not in its scope" in s.why or "not before" in s.why or "no more" in s.why
               for s in trace.strategies if not s.applies)  # fmt: skip
    timed = [layer for layer in shipped.strategies.layers if layer.strategy.effective.start]
    for layer in timed:
        scope, start = layer.strategy.scope, layer.strategy.effective.start
        assert start is not None
        ad = say("x", market=scope.market[0], vertical=scope.vertical[0])
        before = trace_ad(ad, shipped, start - timedelta(seconds=1))
        assert next(s for s in before.strategies if s.id == layer.id).why.startswith("not before")
    assert timed


def test_a_trace_survives_json(small: LiveBundle) -> None:
    """What `--json` prints is read again as the same trace."""
    trace = trace_ad(say("maybe casino"), small, NOW)
    assert Trace.model_validate_json(trace.model_dump_json()) == trace


def test_a_reason_is_named_in_a_line(small: LiveBundle) -> None:
    """Rule and model reasons name themselves, the model's with score and threshold."""
    reasons = trace_ad(say("maybe casino"), small, NOW).decision.reasons
    named = [name_reason(reason) for reason in reasons]
    assert "reject for gambling: rule casino-words" in named
    assert any("model words, score 0.5 against 0.9" in line for line in named)
