"""The shipped model: it loads, and obvious ads score as obvious."""

import numpy as np
import pytest

from service.classifier import Classifier, load_classifier
from service.classifier.evidence import Question, find_evidence
from service.shipped import shipped_path
from service.text.model_text import normalise_for_model

CLEAN = [
    "Lightweight running shoes with breathable mesh. Free returns within 30 days.",
    "Leichte Laufschuhe mit atmungsaktivem Obermaterial. Jetzt im Sale, kostenloser Versand.",
    "Лёгкие кроссовки для бега. Бесплатная доставка по всей России. Купите сейчас!",
    "轻便跑鞋，透气舒适，全场包邮，立即购买",
    "軽量ランニングシューズ。送料無料、今すぐ購入。",
    "أحذية رياضية خفيفة ومريحة مع توصيل مجاني. اطلب الآن",
    "Zapatillas ligeras para correr. Envío gratis en 24 horas. Compra ahora.",
    "Chaussures de course légères. Livraison offerte dès 50 €.",
    "Sepatu lari ringan dan nyaman. Gratis ongkir ke seluruh Indonesia. Beli sekarang!",
    "Giày chạy bộ nhẹ, thoáng khí. Miễn phí vận chuyển toàn quốc.",
    "가벼운 러닝화. 전 상품 무료 배송. 지금 구매하세요!",
    "Hafif koşu ayakkabıları. Ücretsiz kargo. Hemen satın al!",
    "हल्के रनिंग शूज़. मुफ़्त डिलीवरी. अभी खरीदें!",
    "Learn Spanish in 15 minutes a day. Download the app today.",
    "Book your summer holiday in Greece. Flights and hotel from £299.",
    "Kitchen knife set, stainless steel, 5 pieces, dishwasher safe",
    "",
]
BREACHES = [
    ("gambling", "Best online casino! 200 free spins, win real money at slots and roulette, 100% deposit bonus"),
    ("gambling", "Situs slot gacor terpercaya, bonus new member 100%, maxwin hari ini"),
    ("hate_harassment", "All immigrants are filthy animals, get them out of our country you disgusting scum"),
    ("spam", "Congratulations! You have won a free prize, text WIN to 80082 now to claim"),
    ("phishing", "Your account has been suspended. Verify your identity and connect your wallet to claim the airdrop"),
    ("illegal_drugs", "Buy xanax and oxycodone online no prescription"),
    ("weapons", "Glock 19 9mm pistol with two magazines, $450, AR-15 lower receiver for sale"),
    ("adult_sexual", "Hot girls in your area want sex tonight, xxx porn webcam"),
    ("alcohol_tobacco", "12 year old single malt scotch whisky with notes of peat smoke"),
    ("misleading_health", "Miracle cure: this herb kills cancer cells in 7 days, doctors don't want you to know"),
    ("clickbait", "17 Photos That Will Make You Question Everything You Know About Cats"),
    ("political_issue", "Vote for Senator Smith this November. Paid for by Smith for Senate"),
]
TELLING = [
    ("gambling", "A new casino has opened near you", "casino"),
    ("illegal_drugs", "Xanax without seeing a doctor", "Xanax"),
    ("weapons", "Slightly used Glock with a warranty", "Glock"),
    ("alcohol_tobacco", "Our best whisky for cold evenings", "whisky"),
    ("adult_sexual", "Watch porn at home", "porn"),
]


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return load_classifier(shipped_path("models/stage_a"))


@pytest.mark.parametrize("text", CLEAN)
def test_a_clean_ad_scores_low_for_every_policy(classifier: Classifier, text: str) -> None:
    """Shoes are shoes in any language, also in those the model never saw."""
    scores = classifier.score([normalise_for_model(text)])[0]
    assert scores.max() < 0.5, classifier.labels[int(scores.argmax())]


@pytest.mark.parametrize(("label", "text"), BREACHES)
def test_an_obvious_breach_scores_high(classifier: Classifier, label: str, text: str) -> None:
    """What nobody would doubt is above one half."""
    assert classifier.score([normalise_for_model(text)])[0, classifier.labels.index(label)] > 0.5


@pytest.mark.parametrize(("label", "text"), BREACHES)
def test_a_breach_has_evidence_inside_the_text(classifier: Classifier, label: str, text: str) -> None:
    """Each hit can be shown: one to three spans of the ad as it was sent in."""
    found = find_evidence([Question([("creative.body", text)], [label])], classifier)[0][label]
    assert 1 <= len(found) <= 3
    assert all(text[evidence.start : evidence.end] == evidence.excerpt for evidence in found)


@pytest.mark.parametrize(("label", "text", "word"), TELLING)
def test_evidence_marks_the_telling_word(classifier: Classifier, label: str, text: str, word: str) -> None:
    """Where one word makes the breach, that word is marked first."""
    found = find_evidence([Question([("creative.body", text)], [label])], classifier)[0][label]
    assert found[0].excerpt == word


def test_disguised_words_still_count(classifier: Classifier) -> None:
    """Look-alike letters are undone before the model reads."""
    plain, disguised = (
        normalise_for_model(text) for text in ("Best online casino, free spins", "Bеst оnlіnе с@sino, fr33 sрins")
    )
    gambling = classifier.score([plain, disguised])[:, classifier.labels.index("gambling")]
    assert gambling.min() > 0.5


def test_neighbours_change_no_bit_of_the_shipped_model(classifier: Classifier) -> None:
    """The whole list at once, one by one, and reversed: the same bytes."""
    texts = [normalise_for_model(text) for text in [*CLEAN, *(text for _, text in BREACHES)]]
    together = classifier.score(texts)
    alone = np.concatenate([classifier.score([text]) for text in texts])
    assert together.tobytes() == alone.tobytes()
    assert classifier.score(texts[::-1])[::-1].tobytes() == together.tobytes()


def test_a_long_transcript_is_scored_in_full(classifier: Classifier) -> None:
    """100,000 characters with the harm at the very end."""
    clean = "today we walk through the garden and look at the flowers near the old stone wall " * 1_220
    breach = BREACHES[0][1]
    scores = classifier.score([normalise_for_model(clean), normalise_for_model(clean + breach)])
    gambling = scores[:, classifier.labels.index("gambling")]
    assert gambling[0] < 0.1
    assert gambling[1] > gambling[0] + 0.1


def test_nothing_odd_breaks_the_shipped_model(classifier: Classifier) -> None:
    """Emoji, half surrogates, NUL, one letter ten thousand times."""
    texts = ["😀😀😀", "\ud800", "\0", "a" * 10_000, "💊" * 3_000, "\u202e" * 50]
    scores = classifier.score([normalise_for_model(text) for text in texts])
    assert scores.shape == (len(texts), len(classifier.labels))
    assert np.isfinite(scores).all()
