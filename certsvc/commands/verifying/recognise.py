"""互认: the license of another city, taken on the word of its own register, and never without it.

Only a file of which everything else was found good comes here. Then:

1. Under which recognitions do its seals stand? All seals under the anchors of one partner.
2. Is one in effect at the moment asked about?
3. The partner's register is asked for this very file, by SHA-256, as of that moment.
4. Is the type covered? What is its state in our words?

An answer that does not come is "cannot be checked now"; everything else that does not hold is "not recognised", with
the reason in the citation. Nothing but a state in force passes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from certsvc.commands.verifying.facts import sub_indication_for
from certsvc.license.states import STATE_ZH, State
from certsvc.seal.reason_words import WORDS
from certsvc.seal.trust_list import GOOD_STATES, NO_TYPE, SEAL
from certsvc.seal.verdict import (
    Check,
    CitedRecognition,
    Indication,
    LicenseFacts,
    Reason,
    RegistryMatch,
    SubIndication,
)

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.seal.partner_answer import PartnerAnswer
    from certsvc.seal.trust_list import RecognisedType, Recognition, TrustList
    from certsvc.seal.verdict import FileFindings, Verdict

LICENSE_STATE = "license_state"

MAX_PARTNERS_ASKED = 3
"""Partners under one root (a province's) that are asked about one file; stops one upload from calling every city."""


def with_recognition(
    deps: Deps, findings: FileFindings, verdict: Verdict, listed: TrustList, *, at: datetime | None
) -> Verdict:
    """The verdict over a file that is not on our register and bears no seal of ours, if its seals are a partner's.

    ``listed`` is the version of the trust list that the findings stand on; ``at`` the moment asked about.
    """
    if findings.indication is not Indication.TOTAL_PASSED or verdict.registry_match is not RegistryMatch.NONE:
        return verdict
    held = [listed.anchor(one) for one in findings.anchors]
    if not held or any(one is None for one in held):
        return verdict  # under an anchor that the caller of the command line brought
    only_ours = all(one is not None and SEAL in one.purposes for one in held)
    if findings.reason is Reason.OK_SEAL_OBJECT and only_ours:
        return verdict
    candidates = listed.recognitions_under(findings.anchors)
    if findings.reason is Reason.OK_SEAL_OBJECT or not candidates:
        return verdict if only_ours else _not_recognised(verdict, None)
    moment = at or verdict.checked_at
    in_effect = [one for one in candidates if one.in_effect(moment)]
    if not in_effect:
        nearest = candidates[0]
        note = "互认尚未生效" if moment < nearest.effective_from else "互认已经终止"
        return _not_recognised(verdict, _cite(nearest, listed, note))
    return _asked(deps, verdict, listed, in_effect[:MAX_PARTNERS_ASKED], findings.sha256, at)


def _asked(
    deps: Deps,
    verdict: Verdict,
    listed: TrustList,
    partners: list[Recognition],
    sha256: str,
    at: datetime | None,
) -> Verdict:
    """Steps 3 and 4 with the first partner that knows the file."""
    silent: list[Recognition] = []
    for recognition in partners:
        answer = deps.partners.ask(recognition, sha256, at, verdict.checked_at)
        if answer is None:
            silent.append(recognition)
        elif answer.known:
            return _answered(deps, verdict, listed, recognition, answer)
    if silent:
        return _cannot_check(verdict, listed, silent)
    return _not_recognised(verdict, _cite(partners[0], listed, "对方登记中没有此文件，或所问时刻尚未登记"))


def _answered(
    deps: Deps, verdict: Verdict, listed: TrustList, recognition: Recognition, answer: PartnerAnswer
) -> Verdict:
    kind = recognition.type_of(answer.type_code)
    if kind is None:
        return _not_recognised(verdict, _cite(recognition, listed, f"证照类型“{answer.type_name}”不在互认目录"))
    word = recognition.state_of(answer.state)
    reason = Reason.OK_RECOGNISED if word in GOOD_STATES else _ending(word)
    if reason is None or (reason is Reason.OK_RECOGNISED and not answer.passed):
        return _not_recognised(verdict, _cite(recognition, listed, f"对方答复的状态“{answer.state}”不在状态对照中"))
    good = reason is Reason.OK_RECOGNISED
    return replace(
        verdict,
        indication=Indication.TOTAL_PASSED if good else Indication.TOTAL_FAILED,
        sub_indication=None if good else sub_indication_for(word),
        reason=reason,
        status=Check.GOOD if good else Check.BAD,
        license=_facts(deps, kind, answer, word),
        not_checked=tuple(one for one in verdict.not_checked if one != LICENSE_STATE),
        recognition=_cite(recognition, listed),
    )


def _ending(word: str) -> Reason | None:
    """The reason of a state that is not in force; None for a word that is none of ours."""
    try:
        return Reason(f"license_{word}")
    except ValueError:
        return None


def _facts(deps: Deps, kind: RecognisedType, answer: PartnerAnswer, word: str) -> LicenseFacts:
    title = kind.title or (deps.catalog.type(kind.slug).name if kind.slug != NO_TYPE else answer.type_name)
    return LicenseFacts(
        identifier=answer.identifier,
        number=answer.number,
        type_slug=kind.slug,
        type_name=title,
        issuer_name=answer.issuer_name,
        holder_masked=answer.holder_masked,
        state=word,
        state_zh=STATE_ZH[State.VALID] if word == State.VALID.value else WORDS[Reason(f"license_{word}")].short_zh,
        valid_from=answer.valid_from,
        valid_until=answer.valid_until,
        light="green" if word in GOOD_STATES else "red",
    )


def _cannot_check(verdict: Verdict, listed: TrustList, silent: list[Recognition]) -> Verdict:
    hosts = (urlsplit(one.channel).hostname or "?" for one in silent)
    return replace(
        verdict,
        indication=Indication.INDETERMINATE,
        sub_indication=SubIndication.TRY_LATER,
        reason=Reason.CANNOT_CHECK_NOW,
        recognition=_cite(silent[0], listed, "对方的核验接口没有答复"),
        unreachable=tuple(dict.fromkeys((*verdict.unreachable, *hosts))),
    )


def _not_recognised(verdict: Verdict, cited: CitedRecognition | None) -> Verdict:
    return replace(
        verdict,
        indication=Indication.INDETERMINATE,
        sub_indication=SubIndication.GENERIC,
        reason=Reason.NOT_RECOGNISED,
        recognition=cited,
    )


def _cite(recognition: Recognition, listed: TrustList, note: str = "") -> CitedRecognition:
    return CitedRecognition(
        partner=recognition.partner,
        partner_name=recognition.name,
        list_version=listed.version,
        effective_from=recognition.effective_from,
        note=note,
    )
