from service.release.diff import BundleDiff, Change, ListChange, diff_bundles

OLD = {
    "bundle.yaml": "version: '1'\npolicies: {gambling: {harm_weight: 1.0, review_sla_minutes: 60}}\n",
    "gb.yaml": """\
id: gambling-gb
scope: {vertical: [gambling], market: GB}
thresholds: {gambling: {approve_below: 0.50}}
rules:
  - {id: offer, policy: gambling, match: {terms: offers}, action: reject}
  - {id: gone, policy: gambling, when: ["true"], action: review}
""",
    "us.yaml": "id: us\n",
    "lists/terms/offers.txt": "# ours\nfree spins\nbonus # always\nroulette\n",
    "lists/hosts/old.txt": "a.example\n",
}


def diff(**changed: str | None) -> BundleDiff:
    names = {name.replace(".", "_").replace("/", "_"): name for name in OLD}
    new = {**OLD, **{names.get(key, key): text for key, text in changed.items()}}
    encode = {name: text.encode() for name, text in new.items() if text is not None}
    return diff_bundles({name: text.encode() for name, text in OLD.items()}, encode)


def test_thresholds_move_and_rules_come_change_and_go() -> None:
    """Field by field, at the place that a strategist knows it by."""
    text = """\
id: gambling-gb
scope: {vertical: [gambling], market: GB}
effective: {from: 2026-11-01T00:00:00Z}
thresholds: {gambling: {approve_below: 0.6}}
rules:
  - {id: new, policy: gambling, when: ["false"], action: approve}
  - {id: offer, policy: gambling, match: {terms: [offers, spins]}, action: review}
"""
    strategy = "strategy gambling-gb"
    assert diff(gb_yaml=text).changes == (
        Change("changed", (strategy, "thresholds", "gambling", "approve_below"), "0.50", "0.6"),
        Change("changed", (strategy, "rules", "offer", "match", "terms"), "offers", "[offers, spins]"),
        Change("changed", (strategy, "rules", "offer", "action"), "reject", "review"),
        Change("removed", (strategy, "rules", "gone"), "{policy: gambling, when: [true], action: review}"),
        Change("added", (strategy, "rules", "new"), new="{policy: gambling, when: [false], action: approve}"),
        Change("added", (strategy, "effective"), new="{from: 2026-11-01T00:00:00Z}"),
    )


def test_how_it_is_written_is_no_difference() -> None:
    """Comments, order, numbers, brackets round one value, the file's name."""
    text = """\
# rewritten
rules:
  - {id: gone, when: ["true"], policy: gambling, action: review}
  - {id: offer, policy: gambling, match: {terms: [offers]}, action: reject}
thresholds:
  gambling:
    approve_below: 0.5
scope: {market: [GB], vertical: gambling}
id: gambling-gb
"""
    assert diff(gb_yaml=None, **{"renamed.yaml": text}) == BundleDiff((), ())


def test_strategies_and_policies_and_rule_files() -> None:
    """Added and removed as a whole, policies field by field."""
    shared = OLD["bundle.yaml"].replace("60", "30")
    found = diff(bundle_yaml=shared, us_yaml=None, **{"fr.yaml": "id: fr\nscope: {market: FR}\nrules: []\n"}).changes
    assert found == (
        Change("changed", ("bundle", "policies", "gambling", "review_sla_minutes"), "60", "30"),
        Change("added", ("strategy fr",), new="{market: FR}, 0 rules"),
        Change("removed", ("strategy us",)),
    )


def test_list_entries() -> None:
    """In the order of their lines, without comments; a list that is gone has lost all entries."""
    found = diff(lists_terms_offers_txt="bonus\nslots\nfree spins # moved\n", lists_hosts_old_txt=None).lists
    assert found == (
        ListChange("lists/hosts/old.txt", (), ("a.example",)),
        ListChange("lists/terms/offers.txt", ("slots",), ("roulette",)),
    )


def test_what_is_no_yaml_is_compared_as_text() -> None:
    """An old version that this release cannot read is still shown."""
    found = diff(gb_yaml="id: [").changes
    assert ("removed", ("strategy gambling-gb",)) in [(change.kind, change.where) for change in found]
    assert ("added", ("gb.yaml",)) in [(change.kind, change.where) for change in found]
