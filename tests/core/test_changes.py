"""The comparison of registries: pure, complete, and blind to secrets."""

from hypothesis import given
from hypothesis import strategies as st

from portal.core.changes import Action, Change, Item, Kind, Secret, diff, shown
from portal.core.registry import Sealed

keys = st.sampled_from(["a", "b", "c"])
items = st.builds(
    Item,
    kind=st.sampled_from([Kind.CLIENT, Kind.CONNECTION, Kind.USER]),
    tenant=st.sampled_from(["acme", "globex"]),
    key=keys,
    fields=st.fixed_dictionaries({"name": st.sampled_from(["x", "y"]), "on": st.booleans()}),
    origin=st.sampled_from(["seed", "admin", "sso"]),
)
registries = st.lists(items, unique_by=lambda item: item.identity)


def played(current: list[Item], changes: tuple[Change, ...]) -> dict[tuple[str, ...], dict]:
    """What a registry is after changes."""
    state = {item.identity: dict(item.fields) for item in current}
    for change in changes:
        identity = (change.kind, change.tenant, change.key)
        if change.action is Action.REMOVED:
            del state[identity]
        elif change.action in {Action.CREATED, Action.CHANGED}:
            state.setdefault(identity, {}).update({f.name: f.new for f in change.fields})
    return state


@given(registries, registries, st.booleans())
def test_the_changes_lead_to_what_is_wanted_and_then_there_are_none(current, desired, prune):
    after = played(current, diff(current, desired, prune=prune))
    for item in desired:
        assert after[item.identity] == item.fields
    again = [Item(kind, tenant, key, fields) for (kind, tenant, key), fields in after.items()]
    assert not any(change.is_pending for change in diff(again, desired, prune=False))


@given(registries, registries)
def test_without_prune_nothing_goes(current, desired):
    actions = {change.action for change in diff(current, desired, prune=False)}
    assert not actions & {Action.REMOVED, Action.DISABLED}


@given(registries, registries)
def test_prune_takes_just_what_a_seed_made_and_disables_people(current, desired):
    wanted = {item.identity for item in desired}
    by_identity = {item.identity: item for item in current}
    for change in diff(current, desired, prune=True):
        identity = (change.kind, change.tenant, change.key)
        if change.action in {Action.REMOVED, Action.DISABLED}:
            assert identity not in wanted
            assert by_identity[identity].origin == "seed"
            assert (change.action is Action.DISABLED) == (change.kind is Kind.USER)


@given(registries)
def test_a_registry_differs_from_itself_in_nothing(current):
    assert diff(current, current, prune=True) == ()


def test_a_secret_changes_with_its_mark_and_is_never_shown():
    old, same, new = (
        Secret("1", Sealed(b"sealed")),
        Secret("1", fresh="hunter2"),
        Secret("2", fresh="hunter2"),
    )
    assert old == same
    assert old != new
    assert "hunter2" not in repr(new)
    assert shown(new) == "(secret)"
