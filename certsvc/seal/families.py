"""Families of reasons: what a verdict means for its reader, and what the reader does next.

"Ended", "expired", "changed after sealing", "not ours" and "cannot be checked now" are families of their own, so that
no reader takes one for another (DOMAIN.md 5).
"""

from __future__ import annotations

from enum import StrEnum


class Family(StrEnum):
    """What a reason means for the reader; pages give each its colour and symbol."""

    OK = "ok"
    """may be relied on"""
    REGISTERED = "registered"
    """the register says so; the paper in hand was not checked"""
    ENDED = "ended"
    """ended by a decision"""
    PAUSED = "paused"
    """suspended (暂扣)"""
    EXPIRED = "expired"
    """its time is over"""
    EARLY = "early"
    """its time has not begun"""
    REPLACED = "replaced"
    """a newer version exists"""
    CHANGED = "changed"
    """not what was sealed"""
    FOREIGN = "foreign"
    """not from here, or from nobody that is trusted"""
    SEAL_ONLY = "seal_only"
    """a good seal, and nobody was asked how the license stands"""
    BEFORE = "before"
    """not registered yet at the moment asked about"""
    UNSEALED = "unsealed"
    """nothing that proves anything"""
    UNKNOWN = "unknown"
    """not found on the register"""
    CODE = "code"
    """the code must be shown again"""
    DOUBT = "doubt"
    """no conclusion, and asking again will not help"""
    BROKEN = "broken"
    """the upload cannot be read"""
    LATER = "later"
    """cannot be checked now"""
    PROVISIONAL = "provisional"
    """模拟审批"""
    NOTED = "noted"
    """in force, with something to look into"""
    SEAL = "seal"
    """a seal object, no license"""


NEXT_STEP: dict[Family, tuple[str, str]] = {
    Family.OK: (
        "可以采信。需要核对人员时，请再看身份证件。",
        "You may rely on it. Check the person's identity document where it matters.",
    ),
    Family.REGISTERED: (
        "请核对证面与登记内容是否一致，并核对持证人身份；只看二维码或编号不能证明手里的证照没有被改动。",
        "Compare the print with the register and check the person: a code does not prove the paper unchanged.",
    ),
    Family.ENDED: (
        "请勿采信。持证人可以向颁发机构咨询；有异议的，登录“我的证照”（/holder），在“谁用过我的证”中提出异议申诉。",
        "Do not rely on it. The holder may ask the issuer, or sign in at My licenses (/holder) and object there.",
    ),
    Family.PAUSED: ("暂扣期内不得使用，请勿采信。", "Do not rely on it while it is suspended."),
    Family.EXPIRED: ("请勿采信。请持证人办理延续或出示新证。", "Do not rely on it. Ask for a renewed license."),
    Family.EARLY: ("请在生效日期以后再核验。", "Check again from its first day."),
    Family.SEAL_ONLY: (
        "请先与登记比对再采信：到颁发机构的核验页上传文件，或在有登记库的机器上核验；证照可能已经注销或吊销。",
        "Ask the register first, on the issuer's check page: the license may have ended.",
    ),
    Family.BEFORE: (
        "所问时刻还没有这份文件的登记，请改填登记以后的时刻；要知道现在如何，请不填时刻再核验。",
        "It was not on the register then: ask about a later moment, or about now.",
    ),
    Family.REPLACED: ("请持证人出示换发后的新证。", "Ask the holder for the new license."),
    Family.CHANGED: (
        "请勿采信。请持证人从“我的证照”重新下载原文件；怀疑伪造的，请向颁发机构反映。",
        "Do not rely on it. Ask for the original file; report a suspected forgery to the issuer.",
    ),
    Family.FOREIGN: (
        "请勿采信。请弄清文件或二维码从哪里来；由其他机关颁发的，请到该机关的核验平台核验。",
        "Do not rely on it here. Find out where it comes from, or check with its own issuer.",
    ),
    Family.UNSEALED: ("请持证人提供带电子印章的 PDF 原文件。", "Ask for the sealed original PDF."),
    Family.UNKNOWN: (
        "请核对类型、编号和全称后再试一次；仍查不到的，请向颁发机构核实。",
        "Check what you typed; if it stays unknown, ask the issuer.",
    ),
    Family.CODE: ("请持证人刷新二维码，再扫一次。", "Ask the holder to refresh the code and scan again."),
    Family.DOUBT: ("不能得出结论，请勿采信。请向颁发机构核实。", "No conclusion: do not rely on it. Ask the issuer."),
    Family.BROKEN: ("请向持证人索取 PDF 原文件，再核验一次。", "Ask the holder for the original PDF and check again."),
    Family.LATER: (
        "没有得出结论，不代表证照有问题。请稍后再试，或核对证照原件。",
        "No conclusion, and nothing against the license. Try again later.",
    ),
    Family.PROVISIONAL: ("只是模拟审批意见，请等待正式证照。", "A provisional opinion only: wait for the license."),
    Family.NOTED: (
        "证照有效，请按提示进一步核实后再决定。",
        "The license is in force: look into the note before you decide.",
    ),
    Family.SEAL: (
        "核对印章名称、所有者与印模；盖章文件请另行核验。",
        "Compare its name, owner and stamp; check sealed files themselves.",
    ),
}
"""What the reader does now, in Chinese and English."""
