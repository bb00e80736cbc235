from collections.abc import Callable

import pytest

from service.release.approvals import (
    ApprovalsMissingError,
    GuardsWrongError,
    check_guards,
    find_guards,
    require_approvals,
)
from service.release.ledger import Placed
from service.release.opening import open_bundle
from service.release.packing import pack_bundle
from tests.unit.release.signed import AT, guard

DEFAULT = """\
id: default
scope: {}
thresholds: {gambling: {approve_below: 0.2, reject_above: 0.9}}
rules:
  - {id: words, policy: gambling, match: {terms: common}, action: reject}
  - {id: friends, policy: gambling, match: {advertisers: friends}, action: approve}
  - {id: asked, policy: gambling, when: ['"asked_words" in term_hits'], action: lower}
"""
POLITICAL = """\
id: political
approvals: 2
scope: {vertical: political}
include: [rules/shared.yaml]
rules:
  - {id: slogans, policy: gambling, match: {terms: slogans}, action: review}
tests: [{name: one}]
"""
HEALTH = (
    "id: health\nscope: {vertical: health}\nrules: [{id: h, policy: gambling, match: {terms: cures}, action: reject}]\n"
)
FILES = {
    "bundle.yaml": "version: '1'\npolicies: {gambling: {harm_weight: 1.0}}\n",
    "default.yaml": DEFAULT,
    "political.yaml": POLITICAL,
    "health.yaml": HEALTH,
    "rules/shared.yaml": "include: [rules/deeper.yaml]\nrules: [{id: s, policy: gambling, match: {hosts: parties}}]\n",
    "rules/deeper.yaml": "rules: []\n",
    "rules/other.yaml": "rules: []\n",
    **{f"lists/terms/{name}.txt": "word\n" for name in ("common", "slogans", "cures", "asked_words")},
    "lists/advertisers/friends.txt": "adv-1\n",
    "lists/hosts/parties.txt": "party.example\n",
}


def encode(files: dict[str, str]) -> dict[str, bytes]:
    return {name: text.encode() for name, text in files.items()}


def change(name: str, old: str, new: str) -> Callable[[], dict[str, str]]:
    def changed() -> dict[str, str]:
        assert old in FILES[name]
        return {**FILES, name: FILES[name].replace(old, new)}

    return changed


def add(name: str, text: str) -> Callable[[], dict[str, str]]:
    return lambda: {**FILES, name: text}


@pytest.mark.parametrize(
    "changed",
    [
        change("political.yaml", "action: review", "action: approve"),
        change("political.yaml", "approvals: 2", "approvals: 3"),
        change("bundle.yaml", "1.0", "2.0"),
        change("default.yaml", "0.2", "0.3"),
        change("rules/shared.yaml", "id: s", "id: t"),
        change("rules/deeper.yaml", "[]", "[{id: d}]"),
        change("lists/terms/slogans.txt", "word", "words"),
        change("lists/hosts/parties.txt", "party", "parties"),
        change("lists/advertisers/friends.txt", "adv-1", "adv-2"),
        change("lists/terms/asked_words.txt", "word", "words"),
        add("narrow.yaml", "id: narrow\nscope: {vertical: political, market: GB}\n"),
    ],
)
def test_whatever_a_guarded_strategy_depends_on_changes_its_guard(changed: Callable[[], dict[str, str]]) -> None:
    """So two people have to sign for it."""
    old, new = find_guards(encode(FILES)), find_guards(encode(changed()))
    assert list(old) == list(new) == ["political"]
    with pytest.raises(ApprovalsMissingError, match="strategy 'political' changes"):
        require_approvals(old, new, {"anna"})


@pytest.mark.parametrize(
    "changed",
    [
        change("health.yaml", "reject", "review"),
        change("lists/terms/cures.txt", "word", "words"),
        change("lists/terms/common.txt", "word", "words"),
        change("political.yaml", "name: one", "name: two"),
        change("bundle.yaml", "version: '1'", "version: '2'"),
        change("rules/other.yaml", "[]", "[{id: o}]"),
        add("broken.yaml", "id: [\n"),
        add("other-market.yaml", "id: x\nscope: {vertical: retail, market: GB}\n"),
    ],
)
def test_what_it_does_not_depend_on_leaves_it(changed: Callable[[], dict[str, str]]) -> None:
    """Other scopes, tests, the version, lists that only make all strategies stricter: one person may."""
    require_approvals(find_guards(encode(FILES)), find_guards(encode(changed())), {"anna"})


def test_a_list_of_a_broader_rule_counts_where_the_strategy_changes_that_rule() -> None:
    """By its id alone, without naming the list again."""
    text = POLITICAL.replace("rules:", "rules:\n  - {id: words, action: review}")
    files = {**FILES, "political.yaml": text}
    longer = {**files, "lists/terms/common.txt": "other\n"}
    assert find_guards(encode(files)) != find_guards(encode(longer))


def test_an_entry_that_hides_a_guard_is_found_out() -> None:
    """A worker that reads the bundle refuses it, whatever the fold has made of the entry."""
    files = encode(FILES)
    told = find_guards(files)
    check_guards(told, files)
    for lie in ({}, {"political": guard(2)}, {**told, "more": guard(2)}):
        with pytest.raises(GuardsWrongError, match="does not say truly"):
            check_guards(lie, files)
    packed = pack_bundle(files)
    placed = Placed(packed.sha256, "1", 1, told, 1, AT, AT)
    assert open_bundle(placed, packed.chunks) == files
    with pytest.raises(GuardsWrongError):
        open_bundle(placed._replace(guards={}), packed.chunks)


def test_all_that_lack_signatures_are_named() -> None:
    """The first five, and how many more; the most that any of them needs."""
    several = {f"s{number}": guard(2 + number // 6) for number in range(7)}
    with pytest.raises(ApprovalsMissingError, match="strategies s0, s1 change and need 2 people's signatures"):
        require_approvals({}, {name: several[name] for name in ("s0", "s1")}, {"anna"})
    with pytest.raises(ApprovalsMissingError, match="strategies s0, s1, s2, s3, s4 and 2 more change and need 3"):
        require_approvals({}, several, {"anna"})
    require_approvals({}, several, {"anna", "ben", "zoe"})


def test_a_bundle_without_approvals_has_no_guards() -> None:
    """Also one whose YAML cannot be read; such a bundle never compiles."""
    assert find_guards(encode({**FILES, "political.yaml": HEALTH})) == {}
    assert find_guards({"x.yaml": b"\xff approvals: 2"}) == {}


def test_endless_aliases_end() -> None:
    """A few lines of YAML must not become gigabytes."""
    lines = ["id: bomb", "approvals: 2", "a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(GuardsWrongError, match="write it without aliases"):
        find_guards({"bomb.yaml": "\n".join(lines).encode()})
