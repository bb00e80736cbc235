"""The bundle that ships in `deploy/strategies`: it loads, fits the shipped classifier, and does what it says."""

# ruff: noqa: E501 - a case is read as a line

from datetime import UTC, datetime
from typing import Any

import pytest

from service.classifier import load_classifier
from service.contracts.decision import Outcome
from service.contracts.submission import Submission
from service.rules import AdView
from service.rules.facts import FACTS
from service.shipped import shipped_path
from service.strategy import Bundle, Ruling, Signals, check_labels, load_bundle
from tests.ads import make_ad

NOW = datetime(2026, 2, 1, tzinfo=UTC)
NEW = {"id": "a", "country": "DE", "created_at": "2026-01-30T00:00:00Z", "trust_tier": "new"}
TRUSTED = {"id": "a", "country": "GB", "created_at": "2020-01-30T00:00:00Z", "trust_tier": "trusted"}
OLD = {**TRUSTED, "trust_tier": "standard", "country": "DE"}


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle(shipped_path("deploy/strategies"))


def judge(bundle: Bundle, scores: dict[str, float] | None = None, **changes: Any) -> Ruling:  # noqa: ANN401 - any JSON value
    submission = Submission.model_validate(make_ad(**changes))
    strategy = bundle.strategy_for(submission, NOW)
    scores = dict.fromkeys(strategy.thresholds, 0.0) | (scores or {})
    results = strategy.evaluate_rules([AdView(submission)], [scores], NOW)[0]
    assert not [result for result in results if result.failure]
    return strategy.decide(Signals(scores, results))


def test_it_fits_the_shipped_classifier(bundle: Bundle) -> None:
    """Every label has thresholds and every threshold a label."""
    check_labels(bundle, load_classifier(shipped_path("models/stage_a")).labels)


CASES: list[tuple[dict[str, Any], str, str]] = [
    ({}, "", "approve"),
    ({"creative": {"body": "Get 50 free spins"}}, "gambling-offer-unlicensed", "reject"),
    ({"creative": {"body": "Get 50 fr33 sp1ns"}}, "gambling-offer-unlicensed", "reject"),
    ({"creative": {"body": "Casino Royale on DVD"}}, "gambling-words", "review"),
    ({"creative": {"body": "Casino"}, "market": "AE", "attributes": {"gambling_licence": "X-1234"}}, "gambling-forbidden-market", "reject"),
    ({"vertical": "betting"}, "gambling-vertical-without-licence", "reject"),
    ({"vertical": "betting", "market": "GB", "advertiser": TRUSTED, "attributes": {"gambling_licence": "GC-39175"}}, "gambling-licensed", "approve"),
    ({"creative": {"body": "Help with cocaine addiction"}}, "drug-names", "review"),
    ({"creative": {"body": "Buy cocaine here"}}, "drug-offers", "reject"),
    ({"creative": {"body": "B.u.y c0caine here"}}, "drug-offers", "review"),
    ({"creative": {"body": "Pistole kaufen ohne Prüfung"}}, "weapon-offers", "reject"),
    ({"creative": {"body": "Guns for sale"}, "market": "US"}, "weapon-offers-tolerant-market", "review"),
    ({"creative": {"body": "スーパーコピー 時計"}}, "counterfeit-terms", "reject"),
    ({"creative": {"body": "Контроль: порно видео"}}, "adult-offers", "reject"),
    ({"creative": {"body": "pro ana tips"}}, "self-harm-terms", "review"),
    ({"creative": {"body": "They are subhuman"}}, "hate-terms", "review"),
    ({"creative": {"body": "Hitman for hire"}}, "violence-terms", "review"),
    ({"creative": {"body": "This miracle cure works"}, "advertiser": OLD}, "health-claims", "review"),
    ({"creative": {"body": "This miracle cure works"}, "advertiser": NEW}, "health-claims-young-advertiser", "reject"),
    ({"creative": {"body": "Guaranteed returns for you"}}, "scam-phrases", "review"),
    ({"creative": {"body": "Bitcoin! Guaranteed returns"}}, "crypto-guaranteed-returns", "reject"),
    ({"advertiser": NEW, "attributes": {"discount_pct": 90}}, "young-advertiser-deep-discount", "review"),
    ({"advertiser": NEW, "attributes": {"discount_pct": 85.5}}, "young-advertiser-deep-discount", "review"),
    ({"vertical": "loans"}, "loan-without-rate", "review"),
    ({"creative": {"body": "Single malt whisky"}, "market": "SA"}, "alcohol-forbidden-market", "reject"),
    ({"vertical": "alcohol", "market": "KW"}, "alcohol-vertical-forbidden-market", "reject"),
    ({"vertical": "vaping", "market": "FR"}, "tobacco-vertical-eu", "reject"),
    ({"vertical": "alcohol", "advertiser": OLD, "attributes": {"age_gate": True}}, "alcohol-age-gated", "approve"),
    ({"vertical": "politics", "advertiser": OLD}, "political-undisclosed", "review"),
    ({"vertical": "politics", "advertiser": OLD, "attributes": {"paid_for_by": "Party"}}, "political-disclosed", "approve"),
    ({"vertical": "politics", "advertiser": TRUSTED, "attributes": {"paid_for_by": "Party"}}, "political-foreign-advertiser", "review"),
    ({"creative": {"landing_url": "https://x.account-verify.example/"}}, "blocked-host", "reject"),
    ({"creative": {"landing_url": "https://bit.ly/x"}}, "link-shortener", "review"),
    ({"creative": {"body": "Please verify your account"}}, "phishing-phrases", "review"),
    ({"creative": {"landing_url": "http://%00"}}, "landing-unreadable", "review"),
    ({"creative": {"display_url": "a.example", "landing_url": "https://b.example"}, "advertiser": NEW}, "landing-differs-from-display", "review"),
    ({"creative": {"landing_url": "https://pаypal.com/"}}, "landing-mixed-scripts", "reject"),
    ({"creative": {"landing_url": "https://münchen.example/"}, "advertiser": NEW}, "landing-punycode", "review"),
    ({"creative": {"landing_url": "https://b.example/?u=%25252541"}}, "landing-over-encoded", "review"),
    ({"creative": {"landing_url": "http://0x7f.1/"}}, "landing-ip-address", "review"),
    ({"creative": {"landing_url": "https://bank.example@evil.example/"}}, "landing-credentials", "reject"),
    ({"advertiser": {**OLD, "trust_tier": "restricted"}}, "restricted-advertiser", "review"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "rule", "outcome"), CASES, ids=[rule or "clean" for _, rule, _ in CASES])
def test_a_rule_does_what_it_says(changes: dict[str, Any], rule: str, outcome: str, bundle: Bundle) -> None:
    """One ad for each rule: the rule fires on it and the ad's outcome is the expected one."""
    creative = make_ad()["creative"] | changes.get("creative", {})
    ruling = judge(bundle, **{**changes, "creative": creative})
    assert rule in {reason.id for reason in ruling.reasons} | {""}
    assert ruling.outcome is Outcome(outcome)


def test_every_rule_has_a_case(bundle: Bundle) -> None:
    """A rule that nobody tries is a rule that nobody knows to work."""
    text = shipped_path("deploy/strategies/default.yaml").read_text(encoding="utf-8")
    rules = {line.split("id: ")[1] for line in text.split("\n") if line.startswith("  - id: ")}
    assert rules - {"adult-words", "weapon-names"} == {rule for _, rule, _ in CASES if rule}


def test_the_readme_lists_every_variable() -> None:
    """What strategists may write is what their page says."""
    text = shipped_path("deploy/strategies/README.md").read_text(encoding="utf-8")
    rows = [f"| `{name}` | {fact.type} | {fact.meaning} |" for name, fact in FACTS.items()]
    assert [line for line in text.split("\n") if line.startswith("| `") and line.count("|") == 4][-len(rows) :] == rows


def test_a_licence_clears_the_score_but_not_another_rule(bundle: Bundle) -> None:
    """An approving rule takes back what the classifier says, not what another policy's rule says."""
    licensed = {"market": "GB", "advertiser": TRUSTED, "attributes": {"gambling_licence": "GC-39175"}}
    assert judge(bundle, {"gambling": 0.99}, **licensed).outcome is Outcome.APPROVE
    bad = {**make_ad()["creative"], "body": "Guaranteed returns at our tables"}
    assert judge(bundle, {"gambling": 0.99}, creative=bad, **licensed).outcome is Outcome.REVIEW


CLEAN = [
    "Comfortable running shoes for every day. Free returns within 30 days.",
    "Specialist dentist in Scunthorpe, analysis of your teeth, social prices",
    "Günstige Fahrräder und E-Bikes direkt vom Hersteller. Jetzt Probefahrt buchen.",
    "Ofertas en vuelos a México desde 199 €, especialistas en viajes",
    "Découvrez nos meubles en bois massif, livraison offerte dès 50 €",
    "Tênis de corrida com até 40% de desconto",
    "Новая коллекция обуви. Бесплатная доставка по Москве.",
    "全新运动鞋上市，限时八折，包邮到家",
    "秋の新作コレクション、送料無料でお届けします",
    "أحذية رياضية مريحة بأسعار مناسبة وتوصيل مجاني",
    "नए जूते अब 50% छूट पर, मुफ्त डिलीवरी",
    "Sepatu lari terbaru diskon 30%, gratis ongkir",
    "Yeni sezon ayakkabılarda %30 indirim, ücretsiz kargo",
    "새로운 운동화 컬렉션, 무료 배송",
    "รองเท้าวิ่งรุ่นใหม่ ลดราคา 30% ส่งฟรี",
    "Giày chạy bộ mới giảm giá 30%, miễn phí giao hàng",
]


@pytest.mark.parametrize("body", CLEAN)
def test_clean_ads_are_approved(body: str, bundle: Bundle) -> None:
    """Ordinary commercial ads in many languages pass rules and the shipped classifier."""
    classifier = load_classifier(shipped_path("models/stage_a"))
    creative = {**make_ad()["creative"], "headline": "", "body": body}
    text = AdView(Submission.model_validate(make_ad(creative=creative))).model_text
    scores = dict(zip(classifier.labels, classifier.score([text])[0].tolist(), strict=True))
    ruling = judge(bundle, scores, creative=creative)
    assert (ruling.outcome, ruling.reasons) == (Outcome.APPROVE, ())
