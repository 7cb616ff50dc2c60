"""Roles: what kind of caller may come through which door."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.errors import Forbidden

if TYPE_CHECKING:
    from collections.abc import Collection

    from certsvc.commands.ports import Principal

APPROVAL = "approval"
"""审批系统: asks for issuance and moves in the name of its authority"""
APPROVAL_ANY = "approval_any"
"""统一审批平台: the same for every authority of the catalog"""
SOURCE = "source"
"""来源系统: reports the state of the licenses of its body that were made elsewhere and registered here"""
USING = "using"
"""用证系统: fetches for matters of its authority"""
EVENTS = "events"
"""reads the event feed, as pages, as a stream, and by webhooks of its own"""
HOLDER = "holder"
OFFICER = "officer"
"""执法人员"""
CLERK = "clerk"
"""窗口、场馆工作人员"""
OPERATOR = "operator"
"""系统管理员"""
SECURITY = "security"
"""安全保密管理员: may stop a seal at once, and resumes none"""
AUDITOR = "auditor"
"""审计管理员: sees everything about seals and moves nothing"""
SEAL_APPLICANT = "seal_applicant"
"""印章经办人: applies for the seals of the own authority and appoints 首席代表"""
SEAL_APPROVER = "seal_approver"
"""制发部门: approves applications of its region"""
SEAL_MAKER = "seal_maker"
"""制作管理单位: makes and de-registers the seals of its region"""
SEAL_KEEPER = "seal_keeper"
"""保管人: activates, stops, resumes and uses the seals of the own authority"""
SEAL_USE_APPROVER = "seal_use_approver"
"""用印审批人: agrees to manual uses, named by the seal or as 首席代表"""

CATALOG_PROPOSER = "catalog_proposer"
"""部门目录管理员: proposes types of the own authority"""
CATALOG_PUBLISHER = "catalog_publisher"
"""政务服务管理机构: publishes what departments propose"""

TRUST_PROPOSER = "trust_proposer"
"""信任列表管理员: proposes anchors and recognitions of other cities"""
TRUST_CONFIRMER = "trust_confirmer"
"""信任列表确认员: puts in force what somebody else proposed"""

BATCH_CLERK = "batch_clerk"
"""批量经办人: uploads 存量 and asks for bulk decisions in the name of the own authority"""
BATCH_VERIFIER = "batch_verifier"
"""批量核实人: samples, approves and confirms what somebody else of the own authority brought"""

SERVICE_CLERK = "service_clerk"
"""送达经办人: records how decisions of the own authority were served when no message reached the holder"""

OFFICER_REGISTRAR = "officer_registrar"
"""执法名册管理员: keeps the register of the own authority's officers, and is none of them"""
DISPUTE_CLERK = "dispute_clerk"
"""异议经办人: answers what holders dispute about uses by, and licenses of, the own authority"""

USE_CLERK = "use_clerk"
"""用证经办人: asks that uses on duty for a case are not told to the holder for a while"""
USE_APPROVER = "use_approver"
"""用证审批人: agrees to it, and is another person of the same body"""
POLICY_REQUESTER = "policy_requester"
"""用证管理员: asks for policies for the matters of the own body, and keeps the staff of its systems"""
POLICY_APPROVER = "policy_approver"
"""用证审批人: agrees or not to what others may see of the types that the own body issues"""

SCAN = "scan"
"""闸机、自助终端、小程序后台: scans codes and asks holders in the name of its authority, as a clerk would"""
KINSHIP = "kinship"
"""民政、公安: states who is guardian of whom, and who has died"""
REGULATOR = "regulator"
"""监管部门系统: is told of licenses in the charge of its authority, and sends what it found (审管双推送)"""
REGISTRY = "registry"
"""市场主体登记: states who is 法定代表人 of which company"""

SUPERVISOR = "supervisor"
"""电子监察员: reads the figures of every body, accepts what departments answer to cards, calls back and files away"""
SUPERVISION_CLERK = "supervision_clerk"
"""监察整改经办人: answers cards, bad marks and complaints for the own body"""

ARCHIVIST = "archivist"
"""档案员: makes packages of what the own body issued (归档信息包), and notes who received them"""

ALL: frozenset[str] = frozenset(
    {
        APPROVAL,
        APPROVAL_ANY,
        SOURCE,
        USING,
        EVENTS,
        HOLDER,
        OFFICER,
        CLERK,
        OPERATOR,
        SECURITY,
        AUDITOR,
        SEAL_APPLICANT,
        SEAL_APPROVER,
        SEAL_MAKER,
        SEAL_KEEPER,
        SEAL_USE_APPROVER,
        CATALOG_PROPOSER,
        CATALOG_PUBLISHER,
        TRUST_PROPOSER,
        TRUST_CONFIRMER,
        BATCH_CLERK,
        BATCH_VERIFIER,
        SERVICE_CLERK,
        OFFICER_REGISTRAR,
        DISPUTE_CLERK,
        USE_CLERK,
        USE_APPROVER,
        POLICY_REQUESTER,
        POLICY_APPROVER,
        SCAN,
        KINSHIP,
        REGISTRY,
        REGULATOR,
        SUPERVISOR,
        SUPERVISION_CLERK,
        ARCHIVIST,
    }
)

ON_CONSENT: frozenset[str] = frozenset(
    {USING, EVENTS, SCAN, HOLDER, CLERK, POLICY_REQUESTER, DISPUTE_CLERK, SUPERVISION_CLERK}
)
"""What systems and people of a body may be that acts on the holder's consent alone (公证机构 等): they ask,
look at what a holder shows, and answer for what they did. None decides over others, inspects or opens a policy. Of
events they read what is addressed to them and no more (``events/addressing.py``)."""

THREE_OFFICERS: frozenset[str] = frozenset({OPERATOR, SECURITY, AUDITOR})
"""三员"""

SEE_USES: frozenset[str] = frozenset({OPERATOR, AUDITOR, SUPERVISOR})
"""Who answers for the uses of all bodies, and is told of each by the feed."""

SEAL_DUTIES: frozenset[str] = frozenset({SEAL_APPLICANT, SEAL_APPROVER, SEAL_MAKER, SEAL_KEEPER, SEAL_USE_APPROVER})

ROLE_ZH: dict[str, str] = {
    HOLDER: "持证人",
    OFFICER: "执法人员",
    CLERK: "窗口人员",
    OPERATOR: "系统管理员",
    SECURITY: "安全保密管理员",
    AUDITOR: "审计管理员",
    SEAL_APPLICANT: "印章经办人",
    SEAL_APPROVER: "制发部门",
    SEAL_MAKER: "制作管理单位",
    SEAL_KEEPER: "印章保管人",
    SEAL_USE_APPROVER: "用印审批人",
    CATALOG_PROPOSER: "部门目录管理员",
    CATALOG_PUBLISHER: "目录发布员",
    TRUST_PROPOSER: "信任列表管理员",
    TRUST_CONFIRMER: "信任列表确认员",
    BATCH_CLERK: "批量经办人",
    BATCH_VERIFIER: "批量核实人",
    SERVICE_CLERK: "送达经办人",
    OFFICER_REGISTRAR: "执法名册管理员",
    DISPUTE_CLERK: "异议经办人",
    USE_CLERK: "暂缓告知经办人",
    USE_APPROVER: "暂缓告知审批人",
    POLICY_REQUESTER: "用证管理员",
    POLICY_APPROVER: "用证审批人",
    SUPERVISOR: "电子监察员",
    SUPERVISION_CLERK: "监察整改经办人",
    ARCHIVIST: "档案员",
}
"""Names of the roles that people have, for sentences."""

EXCLUSIVE: tuple[frozenset[str], ...] = (
    *(frozenset({one, other}) for one in sorted(THREE_OFFICERS) for other in sorted(THREE_OFFICERS) if one < other),
    *(frozenset({officer, duty}) for officer in sorted(THREE_OFFICERS) for duty in sorted(SEAL_DUTIES)),
    frozenset({SEAL_APPLICANT, SEAL_APPROVER}),
    frozenset({SEAL_APPLICANT, SEAL_MAKER}),
    frozenset({SEAL_APPROVER, SEAL_MAKER}),
    frozenset({SEAL_APPROVER, SEAL_KEEPER}),
    frozenset({SEAL_MAKER, SEAL_KEEPER}),
    frozenset({SEAL_KEEPER, SEAL_USE_APPROVER}),
    frozenset({SEAL_MAKER, SEAL_USE_APPROVER}),
    frozenset({CATALOG_PROPOSER, CATALOG_PUBLISHER}),
    frozenset({TRUST_PROPOSER, TRUST_CONFIRMER}),
    *(frozenset({OPERATOR, duty}) for duty in (TRUST_PROPOSER, TRUST_CONFIRMER)),
    *(frozenset({AUDITOR, duty}) for duty in (TRUST_PROPOSER, TRUST_CONFIRMER)),
    frozenset({BATCH_CLERK, BATCH_VERIFIER}),
    *(frozenset({officer, duty}) for officer in (OPERATOR, AUDITOR) for duty in (BATCH_CLERK, BATCH_VERIFIER)),
    frozenset({USE_CLERK, USE_APPROVER}),
    *(frozenset({officer, duty}) for officer in (OPERATOR, AUDITOR) for duty in (USE_CLERK, USE_APPROVER)),
    *(frozenset({officer, duty}) for officer in (OPERATOR, AUDITOR) for duty in (POLICY_REQUESTER, POLICY_APPROVER)),
    *(frozenset({OFFICER_REGISTRAR, duty}) for duty in (OFFICER, OPERATOR, AUDITOR)),
    frozenset({SUPERVISOR, SUPERVISION_CLERK}),
    *(frozenset({officer, duty}) for officer in (OPERATOR, AUDITOR) for duty in (SUPERVISOR, SUPERVISION_CLERK)),
    *(frozenset({officer, ARCHIVIST}) for officer in (OPERATOR, AUDITOR)),
)
"""No principal holds two of these (DOMAIN.md 2, 4).

* 三员: who gives roles, who guards and who audits are three people, and none of them touches a seal: the operator
  could give themselves any duty, the security officer stops what others do, the auditor must have nothing to hide.
* 制发 and 制作: the application, its approval and the making are three steps of three people; one who held two could
  bring a seal into being alone.
* 保管: the keeper uses the seal, so neither made nor approved it, nor approves its manual uses.
* Left together on purpose: applicant and keeper, and applicant and use approver, are often one clerk or one head of a
  small office; applicant and keeper between them can neither approve nor make. Approver and use approver sit in
  different offices, and on one row the same person is refused anyway.
* Who proposes a license type does not publish it, and who proposes whom to trust does not confirm it. Neither is the
  operator, who gives roles and configures the directory of anchors, nor the auditor; the security officer may be one.
* 执法名册: who says who may inspect does not inspect, gives no roles and audits nothing.
* 依职能用证的暂缓告知: who asks for it never approves it; neither is operator or auditor.
* 用证策略: who opens a policy neither asks for it nor agrees to it. One person may ask for the own body and agree to
  what others ask; of the own request nobody decides.
* 电子监察: who accepts answers never gives them; neither is operator or auditor.
* 归档: who hands over what is kept of the register neither runs it nor audits it.
* 批量: who brings thousands of licenses, or ends them, never verifies and confirms; neither is operator or auditor.
"""


def require(caller: Principal, *roles: str) -> None:
    """Let the caller through if it has one of ``roles``; Forbidden otherwise."""
    if caller.roles.isdisjoint(roles):
        raise Forbidden("当前账号的角色不能使用此接口，请联系系统管理员开通")


def sees_uses(held: Collection[str]) -> bool:
    """Whether who holds these roles is told of the uses of all bodies."""
    return not SEE_USES.isdisjoint(held)


def check_separation(roles: frozenset[str]) -> None:
    """Refuse a set of roles that one principal must not hold together."""
    for pair in EXCLUSIVE:
        if pair <= roles:
            names = "、".join(ROLE_ZH[role] for role in sorted(pair))
            raise Forbidden(f"{names}不得由同一主体兼任，请分别指定人员")
