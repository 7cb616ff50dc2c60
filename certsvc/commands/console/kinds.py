"""The families of evidence that an auditor chooses from: what stands before the dot of a leaf's kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.errors import FieldProblem, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

FAMILIES: Mapping[str, tuple[str, str]] = {
    "license": ("证照", "Licenses"),
    "issuance": ("制证申请", "Requests"),
    "registration": ("登记", "Registrations"),
    "import": ("存量导入", "Imports"),
    "bulk": ("批量办理", "Bulk decisions"),
    "care": ("长期保存", "Preservation"),
    "seal": ("印章", "Seals"),
    "stamping": ("盖章", "Stamping"),
    "document": ("盖章的文件", "Stamped files"),
    "signer": ("电子签名", "Signers"),
    "signing": ("签署", "Signing"),
    "show": ("亮证", "Shown"),
    "scan": ("扫码", "Scans"),
    "challenge": ("核验请求", "Challenges"),
    "verify": ("核验", "Verified"),
    "fetch": ("用证", "Uses"),
    "cohort": ("免申即享核验", "Cohorts"),
    "copy": ("加注件", "Annotated copies"),
    "grant": ("授权", "Grants"),
    "consent": ("同意", "Consents"),
    "withholding": ("暂缓告知", "Withheld"),
    "alert": ("状态变更通报", "Alerts"),
    "policy": ("用证策略", "Policies"),
    "consent_only": ("仅凭授权的单位", "Bodies on consent alone"),
    "matters": ("事项", "Matters"),
    "counter": ("综合窗口", "Counters"),
    "ticket": ("缺证错证反馈", "Tickets"),
    "material": ("电子材料", "Materials"),
    "archive": ("归档", "Archives"),
    "disposal": ("鉴定销毁", "Disposal"),
    "visit": ("检查", "Inspections"),
    "inspection": ("检查结果", "Outcomes of inspections"),
    "inspections": ("离线检查", "Offline inspections"),
    "officer": ("执法人员", "Officers"),
    "oversight": ("监管", "Oversight"),
    "supervision": ("电子监察", "Supervision"),
    "case": ("办件时限", "Case clocks"),
    "complaint": ("投诉", "Complaints"),
    "service": ("好差评", "Ratings"),
    "notice": ("通知", "Notices"),
    "contact": ("联系方式", "Contacts"),
    "delegation": ("委托", "Delegations"),
    "relation": ("身份关系", "Relations"),
    "co_holder": ("共有人", "Co-holders"),
    "dispute": ("异议", "Disputes"),
    "device": ("设备", "Devices"),
    "access": ("账号与登录", "Accounts"),
    "trust": ("信任列表", "Trust"),
    "catalog": ("目录", "Catalog"),
    "webhook": ("推送", "Webhooks"),
    "facade": ("兼容接口", "Facades"),
    "console": ("管理台查看", "Console"),
    "event": ("存放与重放", "Parked events"),
    "events": ("事件的记录与重发", "Events"),
    "evidence": ("证据包", "Bundles"),
    "log": ("留痕日志", "The log"),
    "list": ("清单核对", "Reconciling"),
    "reports": ("报送", "Reports"),
    "objects": ("文件清理", "Swept files"),
    "clock": ("时钟", "Clock"),
}
"""Chinese and English of every family that this program writes, in the order in which they are offered."""


def check_kind(kind: str) -> None:
    """Refuse what no leaf can be called: an answer without leaves would look as if nothing had happened.

    Args:
        kind: a kind or its beginning from the family on (``seal.`` or ``seal.used``); empty for all.

    Raises:
        InvalidInput: it begins with no family that there is.
    """
    family, dot, _ = kind.partition(".")
    if kind and not (dot and family in FAMILIES):
        detail = "没有这个种类，请从列出的种类中选择，如 seal."
        raise InvalidInput(
            "留痕种类有误，请重新选择", problems=(FieldProblem(pointer="/kind", code="unknown", detail=detail),)
        )
