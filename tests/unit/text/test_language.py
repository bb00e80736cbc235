import pytest

from service.text.language import guess_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Comfortable shoes for everyone in the family", "en"),
        ("Bequeme Schuhe für die ganze Familie, jetzt günstig kaufen", "de"),
        ("Zapatos cómodos para toda la familia con envío gratis", "es"),
        ("Удобная обувь для всей семьи", "ru"),
        ("秋の新作コレクション", "ja"),
        ("全新运动鞋上市", "zh"),
        ("새로운 운동화", "ko"),
        ("รองเท้าวิ่งรุ่นใหม่", "th"),
        ("🎰 5$", ""),
        ("", ""),
        ("\ud800\ud800", ""),
    ],
)
def test_guess(text: str, language: str) -> None:
    """Clear texts are told; texts without letters give no guess."""
    assert guess_language(text) == language
