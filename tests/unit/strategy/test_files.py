"""A bundle's files: what belongs to it, its hash, its limits."""

from pathlib import Path

import pytest

from service.strategy import StrategyError, compile_bundle, hash_files, load_bundle, read_folder
from service.strategy import files as files_module
from tests.unit.strategy.conftest import FILES, WriteBundle

SMALL = {name: content.encode() for name, content in FILES.items()}


def fail(files: dict[str, bytes]) -> list[str]:
    with pytest.raises(StrategyError) as caught:
        compile_bundle(files)
    return str(caught.value).split("\n")


def test_a_folder_gives_what_belongs_to_a_bundle(write_bundle: WriteBundle) -> None:
    """YAML at the top, in rules/ and tests/, and lists; no README, nothing hidden, as ConfigMaps and editors leave."""
    more = {"rules/deep/a.yaml": "rules: []\n", "tests/b.yaml": "x", "lists/terms/.swp": "x", "lists/odd/c.txt": "x"}
    others = {"README.md": "x", ".hidden.yaml": "x", "..data/default.yaml": "x", "rules/notes.txt": "x"}
    found = read_folder(write_bundle(files={**more, **others}))
    assert set(found) == {*SMALL, "rules/deep/a.yaml", "tests/b.yaml", "lists/odd/c.txt"}
    assert all(found[name] == content for name, content in SMALL.items())


def test_a_folder_and_its_files_make_the_same_bundle(write_bundle: WriteBundle) -> None:
    """What Kafka carries decides as what lies on the disk."""
    folder = write_bundle()
    assert load_bundle(folder).sha256 == compile_bundle(read_folder(folder)).sha256 == hash_files(SMALL)


def test_the_hash_is_of_names_and_contents_and_of_no_order() -> None:
    """A byte, a name or a border that moves changes it; the order of the files does not."""
    first = hash_files(SMALL)
    assert hash_files(dict(reversed(SMALL.items()))) == first
    others = [
        {**SMALL, "default.yaml": SMALL["default.yaml"] + b"\n"},
        {**SMALL, "more.yaml": b""},
        {("x.yaml" if name == "default.yaml" else name): content for name, content in SMALL.items()},
    ]
    assert len({first, *map(hash_files, others)}) == 4
    assert hash_files({"a": b"bc"}) != hash_files({"ab": b"c"}) != hash_files({"a": b"b", "c": b""})


def test_a_list_of_two_million_entries_names_the_limit() -> None:
    """It is refused by its lines, before any of them is read."""
    entries = b"".join(b"casino%d\n" % number for number in range(2_000_000))
    assert fail({**SMALL, "lists/terms/huge.txt": entries}) == [
        "lists/terms/huge.txt:1:1: the list has 2,000,000 lines; keep all lists of a kind under 500,000 entries"
    ]


def test_all_lists_of_a_kind_together_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many lists are no way around it."""
    monkeypatch.setattr("service.strategy.lists.MAX_ENTRIES", 3)
    more = b"\n".join(b"a%d.example" % number for number in range(3))
    assert fail({**SMALL, "lists/hosts/more.txt": more}) == [
        "lists/hosts:1:1: 4 entries in all lists of this kind; keep them under 3"
    ]


def test_files_and_bytes_have_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each limit is named with the file that breaks it."""
    assert fail({**SMALL, "big.yaml": b"#" * 4_000_001}) == [
        "big.yaml:1:1: 4,000,001 bytes; keep it under 4,000,000 bytes"
    ]
    assert fail({**SMALL, "lists/terms/big.txt": b"#" * 32_000_001}) == [
        "lists/terms/big.txt:1:1: 32,000,001 bytes; keep it under 32,000,000 bytes"
    ]
    assert fail({f"s{number}.yaml": b"" for number in range(2_001)})[0] == (
        "bundle:1:1: 2001 files; keep a bundle under 2000 files"
    )
    monkeypatch.setattr(files_module, "MAX_BUNDLE_BYTES", 1_000)
    assert fail(SMALL)[0].startswith("bundle:1:1: ")
    assert fail(SMALL)[0].endswith(" bytes; keep it under 1,000 bytes")


def test_a_file_too_large_for_memory_is_not_read(write_bundle: WriteBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder may hold anything, such as a disk image by mistake."""
    folder = write_bundle()
    with (folder / "lists" / "terms" / "image.txt").open("wb") as file:
        file.truncate(10_000_000_000)
    with pytest.raises(
        StrategyError, match=r"lists/terms/image.txt:1:1: 10,000,000,000 bytes; keep it under 64,000,000"
    ):
        read_folder(folder)


@pytest.mark.parametrize(
    "name", ["README.md", "x/default.yaml", "../default.yaml", "/etc/default.yaml", "lists/terms/../x.txt", ".yaml", ""]
)
def test_a_file_without_a_place_is_refused(name: str) -> None:
    """What came by Kafka may hold anything; nothing of it is silently left out, and no name leads out of the bundle."""
    assert fail({**SMALL, name: b"x"}) == [
        f"{name}:1:1: has no place in a bundle; a bundle is *.yaml, rules/*.yaml, tests/*.yaml and lists/KIND/*.txt"
    ]


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    """A mistyped path is told as such."""
    with pytest.raises(StrategyError, match=r"nowhere:1:1: is no folder; name the folder that holds bundle.yaml"):
        read_folder(tmp_path / "nowhere")
