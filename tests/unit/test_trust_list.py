"""The trust list by itself: purposes, validity, versions, the chain of its log, and entries read strictly."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc.errors import IntegrityError, InvalidInput
from certsvc.seal.trust_entries import body_of, entry_id_of, entry_of, json_of, kind_of, read_body
from certsvc.seal.trust_list import (
    FILE,
    LISTED,
    OWN_PURPOSES,
    PERSON,
    SEAL,
    TIMESTAMP,
    Anchor,
    RecognisedType,
    Recognition,
    Step,
    TrustList,
    TrustLog,
    TrustProposal,
    confirmed,
)

T0 = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)

moments = st.integers(-50, 50).map(lambda hours: T0 + hours * HOUR)


def in_order(span: tuple[datetime | None, datetime | None]) -> bool:
    begins, ends = span
    return begins is None or ends is None or begins <= ends


spans = st.tuples(st.none() | moments, st.none() | moments).filter(in_order)
purposes = st.frozensets(st.sampled_from([SEAL, PERSON, TIMESTAMP, "partner-a", "partner-b"]), min_size=1)


@st.composite
def anchors(draw: st.DrawFn) -> Anchor:
    begins, ends = draw(spans)
    return Anchor(
        certificate=bytes([draw(st.integers(1, 6))]),
        name="示例根证书",
        purposes=draw(purposes),
        valid_from=begins,
        valid_until=ends,
    )


@st.composite
def recognitions(draw: st.DrawFn) -> Recognition:
    begins = draw(moments)
    return Recognition(
        partner=draw(st.sampled_from("ab")),
        name="示例市",
        anchors=(Anchor(certificate=bytes([draw(st.integers(1, 6))]), name="", purposes=OWN_PURPOSES).anchor_id,),
        types=(RecognisedType(code="t", slug="food_operation", title=""),),
        channel="https://zz.partner.example",
        effective_from=begins,
        effective_until=draw(st.none() | st.integers(0, 40).map(lambda hours: begins + hours * HOUR)),
    )


def make_log(entries: list[Anchor | Recognition], times: list[datetime], files: tuple[Anchor, ...] = ()) -> TrustLog:
    steps: list[Step] = []
    for number, (entry, at) in enumerate(zip(entries, sorted(times), strict=False), start=1):
        proposal = TrustProposal(
            proposal_id=f"tpr_{number}",
            kind=kind_of(entry),
            entry_id=entry_id_of(entry),
            body=body_of(entry),
            reason="约定",
            base=0,
            proposed_by="one",
            proposed_at=at,
        )
        previous = steps[-1].change.digest if steps else ""
        steps.append(Step(change=confirmed(proposal, number=number, by="two", at=at, previous=previous), entry=entry))
    return TrustLog(files, steps)


logs = st.lists(anchors() | recognitions(), max_size=8).flatmap(
    lambda entries: st.lists(moments, min_size=len(entries), max_size=len(entries)).map(
        lambda times: make_log(entries, times)
    )
)


@given(logs, moments, moments)
def test_what_is_known_only_grows_and_yesterdays_answer_never_changes(
    log: TrustLog, one: datetime, other: datetime
) -> None:
    early, late = log.known_at(min(one, other)), log.known_at(max(one, other))
    assert early.version <= late.version
    assert early == log.version(early.version)
    assert log.known_at(max((c.confirmed_at for c in log.changes), default=T0)) == log.current
    for number in range(len(log.changes)):
        longer = TrustLog((), log._steps[: number + 1])
        assert longer.known_at(min(one, other)).version <= early.version
        assert longer.version(min(number, early.version)) == log.version(min(number, early.version))


@given(logs, moments, moments)
def test_a_moment_sees_exactly_what_covers_it(log: TrustLog, moment: datetime, other: datetime) -> None:
    listed = log.current
    then = listed.at(moment)
    assert then.at(moment) == then, "looking twice changes nothing"
    assert set(then.anchors) == {one for one in listed.anchors if one.covers(moment)}
    assert set(then.recognitions) == {one for one in listed.recognitions if one.in_effect(moment)}
    assert set(then.at(other).anchors) == set(listed.at(other).at(moment).anchors), "the order of moments is no matter"
    for use in (SEAL, PERSON, TIMESTAMP, "partner-a"):
        serving = listed.serving((use,), moment)
        assert all(use in one.purposes and one.covers(moment) for one in serving)
        assert set(serving) <= set(then.anchors)


@given(logs)
def test_a_recognition_stands_only_under_anchors_of_its_own_purpose(log: TrustLog) -> None:
    listed = log.current
    for anchor in listed.anchors:
        for one in listed.recognitions_under([anchor.anchor_id]):
            assert one.purpose in anchor.purposes
            assert anchor.anchor_id in one.anchors
    assert listed.recognitions_under([]) == ()
    assert listed.recognitions_under(["0" * 64]) == ()


@given(anchors() | recognitions())
def test_an_entry_comes_back_from_its_json(entry: Anchor | Recognition) -> None:
    assert read_body(kind_of(entry), body_of(entry)) == entry


def test_an_anchor_of_the_directory_is_always_there_and_never_replaced() -> None:
    file = Anchor(certificate=b"\x01", name="目录", purposes=OWN_PURPOSES, origin=FILE)
    narrowed = replace(file, purposes=frozenset({TIMESTAMP}), origin=LISTED)
    log = make_log([narrowed], [T0], (file,))
    assert log.current.anchors == (file,)
    assert log.version(0).anchors == (file,)


def test_the_end_of_an_anchor_is_the_first_moment_without_it() -> None:
    anchor = Anchor(certificate=b"\x01", name="a", purposes=OWN_PURPOSES, valid_from=T0, valid_until=T0 + HOUR)
    seen = [anchor.covers(at) for at in (T0 - HOUR, T0, T0 + HOUR - timedelta(microseconds=1), T0 + HOUR)]
    assert seen == [False, True, True, False]


@pytest.mark.parametrize(
    "field", ["body", "reason", "proposed_by", "confirmed_by", "confirmed_at", "previous", "number"]
)
def test_an_edited_log_is_refused(field: str) -> None:
    entries: list[Anchor | Recognition] = [
        Anchor(certificate=bytes([number]), name="a", purposes=OWN_PURPOSES) for number in (1, 2, 3)
    ]
    log = make_log(entries, [T0, T0 + HOUR, T0 + 2 * HOUR])
    for place in range(3):
        steps = list(log._steps)
        change = steps[place].change
        values = {"number": 9, "confirmed_at": change.confirmed_at + timedelta(seconds=1)}
        edited = replace(change, **{field: values.get(field, "x")})  # type: ignore[arg-type]
        steps[place] = replace(steps[place], change=edited)
        with pytest.raises(IntegrityError):
            TrustLog((), steps)
        # A skilled editor computes the digest anew: then the next change does not follow, or the head is another one.
        steps[place] = replace(steps[place], change=replace(edited, digest=edited.computed()))
        if place < 2 or field in {"number", "previous"}:
            with pytest.raises(IntegrityError):
                TrustLog((), steps)
        else:
            assert TrustLog((), steps).current.digest != log.current.digest
    with pytest.raises(IntegrityError):
        TrustLog((), log._steps[1:])


def valid(kind: str) -> dict[str, object]:
    made: Anchor | Recognition = Anchor(certificate=b"\x30\x00", name="根", purposes=frozenset({SEAL}))
    if kind == "recognition":
        made = Recognition(
            partner="a-1",
            name="甲市",
            anchors=("0" * 64,),
            types=(RecognisedType(code="t", slug="food_operation", title=""),),
            channel="https://zz.a.example",
            effective_from=T0,
            states=(("ok", "valid"),),
        )
    return json_of(made)


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("anchor", "certificate", "不是 base64"),
        ("anchor", "certificate", ""),
        ("anchor", "certificate", 7),
        ("anchor", "name", " "),
        ("anchor", "name", "长" * 201),
        ("anchor", "purposes", []),
        ("anchor", "purposes", ["everything"]),
        ("anchor", "purposes", ["partner-"]),
        ("anchor", "purposes", "seal"),
        ("anchor", "valid_from", "2026-01-01T00:00:00"),
        ("anchor", "valid_from", "昨天"),
        ("anchor", "valid_until", 3),
        ("anchor", "unknown", 1),
        ("anchor", "intermediates", ["x"]),
        ("recognition", "partner", "甲"),
        ("recognition", "anchors", []),
        ("recognition", "anchors", ["ABC"]),
        ("recognition", "types", []),
        ("recognition", "types", [{"code": "t", "slug": "*", "title": ""}]),
        ("recognition", "types", [{"code": "t", "slug": "s"}, {"code": "t", "slug": "u"}]),
        ("recognition", "types", ["t"]),
        ("recognition", "states", {"ok": "gut"}),
        ("recognition", "states", ["ok"]),
        ("recognition", "channel", "ftp://zz.a.example"),
        ("recognition", "channel", "https://user:secret@zz.a.example"),
        ("recognition", "channel", "https://zz.a.example/?x=1"),
        ("recognition", "channel", "https://[bad"),
        ("recognition", "channel", "https://zz.a.ex\nample"),
        ("recognition", "channel", "https://zz.a.example/甲"),
        ("recognition", "effective_from", None),
        ("recognition", "effective_until", "2020-01-01T00:00:00Z"),
    ],
)
def test_a_bad_entry_is_refused_with_its_field(kind: str, field: str, value: object) -> None:
    assert kind_of(entry_of(kind, valid(kind))) == kind
    with pytest.raises(InvalidInput) as refused:
        entry_of(kind, valid(kind) | {field: value})
    assert refused.value.problems[0].pointer == f"/{field}"


@pytest.mark.parametrize("body", ["", "[]", "{}", "null", "{", "9" * 300_000, "[" * 100_000])
def test_a_body_that_is_no_entry_is_refused(body: str) -> None:
    for kind in ("anchor", "recognition", "other"):
        with pytest.raises(InvalidInput):
            read_body(kind, body)


def test_states_are_the_same_words_unless_a_map_is_given() -> None:
    recognition = entry_of("recognition", valid("recognition"))
    assert isinstance(recognition, Recognition)
    assert (recognition.state_of("ok"), recognition.state_of("valid")) == ("valid", "")
    assert replace(recognition, states=()).state_of("revoked") == "revoked"
    assert json.loads(body_of(recognition))["states"] == {"ok": "valid"}


def test_an_empty_list_trusts_nobody() -> None:
    assert TrustList().serving(OWN_PURPOSES, T0) == ()
