"""The check without network: times to the second, status data by their age, and what takes the green away."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import cbor2
import pytest
from offline_phone import NOW, Phone, service_ring
from status_reader import packed

from certsvc.clock import end_of_day, local_day
from certsvc.errors import InvalidInput, Unavailable
from certsvc.ids import SystemIds
from certsvc.license.offline import OfflineCode, OfflineCore, device_key_id
from certsvc.license.offline_bundle import BundleClaims, claims_since
from certsvc.license.status_list import ENTRIES, StatusClaims, StatusEntry, compress
from certsvc.seal.verdict import Reason
from certsvc.signing.offline_bundles import BundleState, OfflineBundles, read_bundle
from certsvc.signing.offline_check import OfflineFinding, SeenCodes, check_code
from certsvc.signing.offline_codes import OfflineCores
from certsvc.signing.status_tokens import StatusTokens

ISSUER = "https://zz.example"
INDEX = 482113


@dataclass
class Field:
    """An issuer, a holder's phone and what an officer's device took along."""

    cores: OfflineCores
    bundles: OfflineBundles
    lists: StatusTokens
    phone: Phone

    def status(self, *ended: int, uri: str = f"{ISSUER}/v1/status-lists/1") -> dict[str, Any]:
        claims = StatusClaims(
            uri=uri,
            aggregation_uri=f"{ISSUER}/v1/status-lists",
            bits=1,
            lst=compress(packed(dict.fromkeys(ended, 1).items(), 1)),
            issued_at=NOW,
            expires_at=NOW + timedelta(days=1),
        )
        return {"list": 1, "uri": f"{ISSUER}/v1/status-lists/1", "cwt": self.lists.sign_cwt(claims)}

    def values(self, *ended: int, blocked: tuple[bytes, ...] = ()) -> dict[str, Any]:
        return {
            "code_keys": self.cores.keys()["keys"],
            "blocked_devices": list(blocked),
            "policy": {"status_amber_s": 4 * 3600, "status_stale_s": 24 * 3600},
            "status/1": self.status(*ended),
        }

    def file(
        self, values: dict[str, Any], *, since: int = 0, as_of: datetime = NOW, versions: dict[str, int] | None = None
    ) -> bytes:
        parts = versions or dict.fromkeys(values, 1)
        return self.bundles.sign(claims_since(since, max(parts.values()), as_of, parts, values))

    def held(self, *files: bytes) -> BundleState:
        state = BundleState()
        for file in files:
            state.apply(read_bundle(file, self.jwks))
        return state

    @property
    def jwks(self) -> list[dict[str, Any]]:
        return list(self.bundles.keys()["keys"])  # type: ignore[call-overload, no-any-return]

    def text(self, *, shown: datetime = NOW, phone: Phone | None = None, **changes: Any) -> str:
        plain = OfflineCore(
            token=bytes(16),
            type_slug="tour_guide",
            holder_masked="欧阳*",
            last_day=None,
            status=StatusEntry(list_no=1, index=INDEX),
            device_key=self.phone.point,
            issued_at=int(NOW.timestamp()) - 3600,
            expires_at=int(NOW.timestamp()) + 23 * 3600,
        )
        return (phone or self.phone).code(self.cores.mint(replace(plain, **changes)), shown.timestamp())


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Field:
    ring = service_ring(tmp_path_factory.mktemp("field"), "code-1", "bundle-1", "status-1")
    how: dict[str, Any] = {"issuer": ISSUER, "ids": SystemIds()}
    return Field(OfflineCores(ring, **how), OfflineBundles(ring, **how), StatusTokens(ring, **how), Phone())


@pytest.fixture(scope="module")
def bundle(field: Field) -> BundleState:
    return field.held(field.file(field.values(7)))


def check(text: str, bundle: BundleState, at: datetime = NOW, *, compared: bool = True) -> OfflineFinding:
    return check_code(text, bundle, at=at, identity_compared=compared)


def test_green_takes_a_fresh_status_and_an_identity_document(field: Field, bundle: BundleState) -> None:
    text = field.text()
    found = check(text, bundle)
    assert (found.light, found.reasons) == ("green", (Reason.OK_OFFLINE,))
    assert (found.status_as_of, found.status_age) == (NOW, timedelta(0))
    bare = check(text, bundle, compared=False)
    assert (bare.light, bare.reasons) == ("amber", (Reason.IDENTITY_NOT_COMPARED,))


@pytest.mark.parametrize(
    ("age", "reason"),
    [
        (-61, Reason.CLOCK_DIFFERS),
        (-60, Reason.OK_OFFLINE),
        (0, Reason.OK_OFFLINE),
        (30, Reason.OK_OFFLINE),
        (90, Reason.OK_OFFLINE),
        (91, Reason.CODE_EXPIRED),
        (3600, Reason.CODE_EXPIRED),
        (-3600, Reason.CLOCK_DIFFERS),
    ],
)
def test_a_devices_signature_is_good_for_30_seconds_and_clocks_may_differ_by_60(
    field: Field, bundle: BundleState, age: int, reason: Reason
) -> None:
    found = check(field.text(shown=NOW - timedelta(seconds=age)), bundle)
    assert found.reasons == (reason,)
    assert found.light == ("green" if reason is Reason.OK_OFFLINE else "amber")


def test_a_core_is_good_from_its_making_to_its_end_and_for_24_hours_at_most(field: Field, bundle: BundleState) -> None:
    at = int(NOW.timestamp())
    cases = {
        (at - 3600, at): Reason.CODE_EXPIRED,
        (at - 3600, at + 1): Reason.OK_OFFLINE,
        (at - 24 * 3600 + 1, at + 1): Reason.OK_OFFLINE,
        (at - 24 * 3600, at + 1): Reason.CODE_EXPIRED,
        (at + 60, at + 90): Reason.OK_OFFLINE,
        (at + 61, at + 90): Reason.CLOCK_DIFFERS,
        (at - 9, at - 10): Reason.CODE_EXPIRED,
    }
    found = {
        (begin, end): check(field.text(issued_at=begin, expires_at=end), bundle).reasons[0] for begin, end in cases
    }
    assert found == cases


def test_a_license_ends_with_its_last_day_in_shanghai(field: Field, bundle: BundleState) -> None:
    midnight = end_of_day(local_day(NOW))
    for at, reason in ((midnight - timedelta(seconds=1), Reason.STATUS_OLD), (midnight, Reason.LICENSE_EXPIRED)):
        found = check(field.text(last_day=local_day(NOW), shown=at), bundle, at)
        assert found.reasons == (reason,)


@pytest.mark.parametrize(
    ("hours", "light", "reason"),
    [
        (0.0, "green", Reason.OK_OFFLINE),
        (4.0, "green", Reason.OK_OFFLINE),
        (4.01, "amber", Reason.STATUS_OLD),
        (22.9, "amber", Reason.STATUS_OLD),
    ],
)
def test_old_status_data_take_the_green_away(
    field: Field, bundle: BundleState, hours: float, light: str, reason: Reason
) -> None:
    at = NOW + timedelta(hours=hours)
    found = check(field.text(shown=at), bundle, at)
    assert (found.light, found.reasons) == (light, (reason,))
    assert found.status_age == at - NOW


def test_status_data_of_more_than_24_hours_prove_nothing_good_and_still_something_bad(field: Field) -> None:
    begin = int(NOW.timestamp()) + 24 * 3600
    for ended, after, reason in (
        ((), 24, Reason.STATUS_OLD),
        ((), 24.001, Reason.STATUS_STALE),
        ((INDEX,), 25, Reason.NOT_IN_FORCE),
    ):
        at = NOW + timedelta(hours=after)
        text = field.text(shown=at, issued_at=begin, expires_at=begin + 8 * 3600)
        found = check(text, field.held(field.file(field.values(*ended))), at)
        assert found.reasons == (reason,)
        assert found.light == ("red" if ended else "amber")


def test_the_format_allows_no_policy_that_trusts_older_data(field: Field) -> None:
    values = {**field.values(), "policy": {"status_amber_s": 10**9, "status_stale_s": 10**9}}
    at = NOW + timedelta(hours=25)
    text = field.text(shown=at, issued_at=int(at.timestamp()), expires_at=int(at.timestamp()) + 60)
    assert check(text, field.held(field.file(values)), at).reasons == (Reason.STATUS_STALE,)


def test_data_from_the_future_mean_that_a_clock_is_wrong(field: Field) -> None:
    state = field.held(field.file(field.values(), as_of=NOW + timedelta(seconds=61)))
    assert check(field.text(), state).reasons == (Reason.CLOCK_DIFFERS,)
    assert check(field.text(), state, NOW + timedelta(seconds=1)).light == "green"


def test_an_ending_is_seen_after_the_delta_and_a_small_one_says_that_the_rest_stands(field: Field) -> None:
    full = field.file(field.values(7))
    state = field.held(full)
    assert check(field.text(), state).light == "green"
    later = NOW + timedelta(hours=5)
    values = field.values(7, INDEX)
    versions = {**dict.fromkeys(values, 1), "status/1": 2}
    delta = field.file(values, since=1, as_of=later, versions=versions)
    assert len(delta) < len(full)
    state.apply(read_bundle(delta, field.jwks))
    found = check(field.text(shown=later), state, later)
    assert (found.light, found.reasons) == ("red", (Reason.NOT_IN_FORCE,))
    assert found.status_age == timedelta(0)
    same = field.file(values, since=2, as_of=later + timedelta(hours=3), versions=versions)
    assert len(same) < 600
    state.apply(read_bundle(same, field.jwks))
    assert state.as_of == later + timedelta(hours=3)
    assert state.lists[1][INDEX >> 3] >> (INDEX & 7) & 1


def test_a_delta_over_a_gap_or_back_in_time_is_refused_and_changes_nothing(field: Field) -> None:
    state = field.held(field.file(field.values()))
    versions = {**dict.fromkeys(field.values(), 1), "policy": 3, "status/1": 2}
    gap = field.file(field.values(), since=2, as_of=NOW + timedelta(hours=1), versions=versions)
    with pytest.raises(InvalidInput, match="status/1"):
        state.apply(read_bundle(gap, field.jwks))
    with pytest.raises(InvalidInput, match="旧"):
        state.apply(read_bundle(field.file(field.values(), as_of=NOW - timedelta(seconds=1)), field.jwks))
    assert (state.version, state.as_of) == (1, NOW)


def test_a_part_that_is_gone_is_dropped(field: Field) -> None:
    state = field.held(field.file(field.values()))
    rest = {name: value for name, value in field.values().items() if name != "status/1"}
    state.apply(read_bundle(field.file(rest, since=1, as_of=NOW + timedelta(minutes=1)), field.jwks))
    assert check(field.text(), state).reasons == (Reason.STATUS_UNKNOWN,)


def test_a_lost_phone_is_told_and_so_is_another_phone(field: Field) -> None:
    state = field.held(field.file(field.values(blocked=(device_key_id(field.phone.point),))))
    lost = check(field.text(), state)
    assert (lost.light, lost.reasons) == ("red", (Reason.DEVICE_BLOCKED,))
    other = check(field.text(phone=Phone()), state)
    assert (other.light, other.reasons) == ("red", (Reason.CODE_DEVICE_WRONG,))


def test_the_same_code_twice_is_told_and_the_next_one_is_not(field: Field, bundle: BundleState) -> None:
    seen = SeenCodes()
    first, second = (check(field.text(shown=NOW + timedelta(seconds=n)), bundle).code for n in (0, 30))
    assert isinstance(first, OfflineCode)
    assert isinstance(second, OfflineCode)
    assert [seen.again(one, NOW) for one in (first, second, first)] == [False, False, True]
    again = check_code(field.text(), bundle, at=NOW, identity_compared=True, repeated=True)
    assert (again.light, again.reasons) == ("amber", (Reason.CODE_REPEATED,))
    assert not seen.again(first, NOW + timedelta(minutes=5)), "by then the code itself is too old"


def test_without_status_data_nothing_is_valid(field: Field) -> None:
    text = field.text()
    assert check(text, BundleState()).reasons == (Reason.CODE_KEY_UNKNOWN,)
    for changes in ({"list_no": 2, "index": INDEX}, {"list_no": 1, "index": ENTRIES}):
        found = check(field.text(status=StatusEntry(**changes)), field.held(field.file(field.values())))
        assert (found.light, found.reasons) == ("amber", (Reason.STATUS_UNKNOWN,))


def test_a_bundle_is_signed_over_every_byte(field: Field) -> None:
    file = field.file(field.values())
    step = max(1, len(file) // 300)
    for at in range(0, len(file), step):
        changed = bytearray(file)
        changed[at] ^= 0x10
        with pytest.raises(InvalidInput):
            read_bundle(bytes(changed), field.jwks)
    for odd in (b"", b"\0", file + b"\0", file[:-1], b"\x9f" * 1000, cbor2.dumps({1: 2})):
        with pytest.raises(InvalidInput):
            read_bundle(odd, field.jwks)
    with pytest.raises(InvalidInput):
        read_bundle(file, [])
    with pytest.raises(InvalidInput, match="不是离线数据"):
        read_bundle(field.status()["cwt"], field.jwks)


def test_a_status_list_of_another_address_is_not_taken(field: Field) -> None:
    values = {**field.values(), "status/1": field.status(uri="https://other.example/v1/status-lists/1")}
    with pytest.raises(InvalidInput, match="状态列表"):
        field.held(field.file(values))


def test_a_reader_of_an_unknown_version_gets_everything() -> None:
    parts, values = {"a": 1, "b": 4}, {"a": 1, "b": 2}
    told = {since: sorted(claims_since(since, 4, NOW, parts, values).data) for since in (0, 1, 3, 4, 5, -1)}
    assert told == {0: ["a", "b"], 1: ["b"], 3: ["b"], 4: [], 5: ["a", "b"], -1: ["a", "b"]}


def test_without_a_key_there_is_no_bundle(tmp_path_factory: pytest.TempPathFactory) -> None:
    bundles = OfflineBundles(service_ring(tmp_path_factory.mktemp("none"), "code-1"), issuer=ISSUER, ids=SystemIds())
    with pytest.raises(Unavailable, match="keys create bundle-1"):
        bundles.sign(BundleClaims(version=1, since=0, as_of=datetime(2026, 1, 1, tzinfo=UTC), parts={}, data={}))
