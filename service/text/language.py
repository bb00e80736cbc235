"""Guesses the language of an ad that does not say it; only asked for when a rule or a review task needs it.

By script, by letters that one language alone uses, and by the commonest little words. A packaged model knows more
languages, but takes 74 MB in every worker; an ad of which this cannot tell the language gets none.
"""

import re

_MAX_CHARS = 600
_WORD = re.compile(r"[^\W\d_]+")
_LATIN = re.compile(r"[a-zÀ-ɏḀ-ỿ]")
_MIN_LETTERS = 3
_SHARE = 0.3

# Scripts that mostly write one language; kana stands before Han, since Japanese has both.
_SCRIPTS = tuple(
    (re.compile(f"[{letters}]"), code, share)
    for letters, code, share in (
        ("぀-ヿ", "ja", 0.1), ("가-힣", "ko", _SHARE), ("฀-๿", "th", _SHARE), ("一-鿿", "zh", _SHARE),
        ("֐-׿", "he", _SHARE), ("Ͱ-Ͽ", "el", _SHARE), ("ঀ-৿", "bn", _SHARE), ("஀-௿", "ta", _SHARE),
        ("ఀ-౿", "te", _SHARE), ("Ⴀ-ჿ", "ka", _SHARE), ("԰-֏", "hy", _SHARE), ("ऀ-ॿ", "hi", _SHARE),
        ("؀-ۿ", "ar", _SHARE), ("Ѐ-ӿ", "ru", _SHARE),
    )
)  # fmt: skip
# Letters that part the languages of one script.
_LETTERS = {
    "ar": ((re.compile("[ٹڈڑںے]"), "ur"), (re.compile("[پچژگی]"), "fa")),
    "ru": ((re.compile("[іїєґ]"), "uk"), (re.compile("[ђјљњћџ]"), "sr")),
    "hi": ((re.compile(r"\bआहे|ळ|\bआणि"), "mr"),),
}
_LITTLE_WORDS = {
    "en": "the and of to in is for you your with this that are on our we it be from have not can at by all get now",
    "de": "der die das und ist mit für von den ein eine nicht auf sie ihr ihre jetzt zu im dem wir auch bei oder nur",
    "es": "el los las de que y en un una para con por su tu es del más no se lo como ahora gratis desde este hoy",
    "fr": "le les des et est pour une un avec dans sur vous votre nos vos du au que qui pas plus dès ce la jour cette",
    "pt": "o os as de que e em um uma para com por seu sua não do da no na mais você é ou dos até hoje agora são",
    "it": "il lo gli di che e un una per con non del della è sono più la le dei tuo tua questo anche alla nel ora",
    "nl": "de het een en van voor met niet op je uw is zijn naar nu ook bij dit dat wij onze alle om te aan",
    "pl": "na do nie się jest to dla od po oraz jak twoje już co za tylko przez ze teraz być czy",
    "cs": "na se je pro do to že jsou za od po jen jak nebo při ve už také vám naše pouze",
    "sv": "och att det är för en ett på med som av till den inte du din vi har om nu från alla",
    "tr": "ve bir bu için ile çok da de ne en gibi daha olan var mi mı sizin hemen şimdi kadar her ya yeni",
    "id": "dan yang di untuk dengan ini itu dari ke anda kami kita tidak ada bisa saya juga akan atau sekarang hanya",
    "vi": "và của là có cho không được với các một những này trong khi bạn để người đã tại từ đến miễn phí anh em",
    "ro": "și de la în cu pentru nu este un o pe care din mai sunt să ce acum ai al fi",
    "hu": "az és hogy nem is egy van meg csak már vagy mint ez most minden önnek",
}
_LANGUAGES_OF: dict[str, list[str]] = {}
for _code, _words in _LITTLE_WORDS.items():
    for _word in dict.fromkeys(_words.split()):
        _LANGUAGES_OF.setdefault(_word, []).append(_code)
_OWN_LETTERS = (
    (re.compile("[ơưđạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]"), "vi"), (re.compile("[ğşı]"), "tr"),
    (re.compile("[ąęłżźś]"), "pl"), (re.compile("[ěřů]"), "cs"), (re.compile("[ßäöü]"), "de"),
    (re.compile("[ñ¿¡]"), "es"),
    (re.compile("[ãõ]"), "pt"), (re.compile("[șțăâ]"), "ro"), (re.compile("[åä]"), "sv"), (re.compile("[őű]"), "hu"),
    (re.compile("[èêœç]"), "fr"), (re.compile("[ìò]"), "it"),
)  # fmt: skip


def guess_language(text: str) -> str:
    """Return an ISO 639-1 code, or '' where the text does not tell."""
    head = text[:_MAX_CHARS].lower()
    words = _WORD.findall(head)
    letters = sum(map(len, words))
    if letters < _MIN_LETTERS:
        return ""
    for pattern, code, share in _SCRIPTS:
        if len(pattern.findall(head)) > share * letters:
            return next((own for own_letters, own in _LETTERS.get(code, ()) if own_letters.search(head)), code)
    return _guess_latin(head, words) if _LATIN.search(head) else ""


def _guess_latin(head: str, words: list[str]) -> str:
    hits: dict[str, float] = {}
    for word in words:
        languages = _LANGUAGES_OF.get(word, ())
        for code in languages:
            # A word of one language tells more than one of five.
            hits[code] = hits.get(code, 0.0) + 1 / len(languages)
    for letters, code in _OWN_LETTERS:
        hits[code] = hits.get(code, 0.0) + min(1.0, len(letters.findall(head)) / 2)
    ranked = sorted(hits, key=lambda code: (-hits[code], code))
    best, second = ranked[0], ranked[1]
    return best if hits[best] >= 1 and hits[best] > hits[second] else ""
