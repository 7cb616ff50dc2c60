"""The reasons of a verdict in plain words: short, as a sentence, and with the reader's next step.

Every reason belongs to one family, whose next step it has unless another one helps. Chinese first; English for readers
abroad.
"""

from __future__ import annotations

from certsvc.seal.copy_words import COPY_WORDS
from certsvc.seal.families import Family
from certsvc.seal.offline_words import OFFLINE_WORDS
from certsvc.seal.verdict import Reason, Remark
from certsvc.seal.wording import Words

WORDS: dict[Reason, Words] = {
    Reason.OK: Words(Family.OK, "核验通过", "Verified", "核验通过", "Verified"),
    Reason.OK_REGISTER_NOT_ASKED: Words(
        Family.SEAL_ONLY,
        "印章有效（未与登记比对）",
        "Seal good (register not asked)",
        "印章有效、内容未改；未与登记比对，证照可能已经注销或吊销，请联网核验",
        "Seal good, content unchanged; the register was not asked: the license may have ended",
    ),
    Reason.OK_REGISTERED: Words(
        Family.REGISTERED,
        "登记状态正常",
        "In force on the register",
        "登记状态正常；证面上的码只说明登记，不证明手里的纸张或文件未被改动，也不证明持证人是谁",
        "In force on the register; a printed code proves neither that the paper is unchanged nor who the person is",
        (
            "请核对证面与登记内容是否一致，并核对身份证件；需要照片和信息项的，请持证人亮证后再扫。",
            "Compare the print with the register and an identity document. For data, ask the holder to show a code.",
        ),
    ),
    Reason.OK_SIGNED_DOCUMENT: Words(
        Family.OK,
        "签署文件核验通过",
        "Signed document verified",
        "签署文件核验通过：签名属实，内容未改",
        "Signed document verified: the signatures are good, the content is unchanged",
    ),
    Reason.SIGNING_UNFINISHED: Words(
        Family.DOUBT,
        "签署尚未完成",
        "Signing not complete",
        "已有的签名属实，但这不是签署完成的文件，请向发起单位索取最终文件",
        "The signatures are good, but the signing is not complete: ask for the final document",
    ),
    Reason.NOT_A_PDF: Words(
        Family.BROKEN,
        "不是 PDF 文件，无法核验",
        "Not a PDF: cannot be checked",
        "不是 PDF 文件：电子证照原文件是 PDF，印章数据是 .esl",
        "Not a PDF: an original license is a PDF, a seal object an .esl",
    ),
    Reason.MALFORMED: Words(
        Family.BROKEN,
        "文件已损坏，无法核验",
        "Damaged file: cannot be checked",
        "文件已损坏，无法核验，请向持证人索取原文件",
        "Damaged file: ask the holder for the original",
    ),
    Reason.ENCRYPTED: Words(
        Family.BROKEN,
        "文件已加密，无法核验",
        "Encrypted file: cannot be checked",
        "文件已加密，无法核验，请提供未加密的原文件",
        "Encrypted file: provide the original",
    ),
    Reason.NO_SIGNATURE: Words(
        Family.UNSEALED,
        "没有电子印章",
        "No seal",
        "文件没有电子印章，不能证明其真实性",
        "No seal in this file: it proves nothing",
    ),
    Reason.ONLY_TIMESTAMPS: Words(
        Family.UNSEALED, "没有电子印章", "No seal", "文件只有时间戳，没有电子印章", "Only timestamps, no seal"
    ),
    Reason.UNSUPPORTED_SIGNATURE: Words(
        Family.DOUBT,
        "印章格式无法识别",
        "Unknown seal format",
        "文件含有无法识别的签章格式",
        "A signature of an unknown format is present",
    ),
    Reason.CHANGED_AFTER_SEALING: Words(
        Family.CHANGED,
        "盖章后被改动",
        "Changed after sealing",
        "盖章后文件被改动，请勿采信",
        "Changed after sealing: do not rely on it",
    ),
    Reason.NOT_FULLY_COVERED: Words(
        Family.CHANGED,
        "印章未覆盖全文",
        "Not fully sealed",
        "印章没有覆盖整个文件，请勿采信",
        "The seal does not cover the whole file",
    ),
    Reason.DIGEST_MISMATCH: Words(
        Family.CHANGED,
        "内容被改动",
        "Content was changed",
        "盖章以后内容被改动，与印章不符，请勿采信",
        "The content was changed after sealing and does not match the seal",
    ),
    Reason.BAD_SIGNATURE: Words(
        Family.CHANGED, "印章签名无效", "Seal not valid", "印章签名无效，请勿采信", "The seal's signature is not valid"
    ),
    Reason.WEAK_ALGORITHM: Words(
        Family.DOUBT,
        "签名强度不足",
        "Weak algorithm",
        "签名算法强度不足，不予认可",
        "The signature algorithm is too weak",
    ),
    Reason.UNTRUSTED_CHAIN: Words(
        Family.FOREIGN,
        "印章不在信任列表内",
        "Seal not trusted",
        "印章证书不在信任列表内",
        "The seal's certificate is not in the trust list",
    ),
    Reason.WRONG_KEY_USAGE: Words(
        Family.DOUBT,
        "证书不能用于签章",
        "Wrong certificate",
        "证书用途不允许签章",
        "The certificate's key usage does not allow sealing",
    ),
    Reason.CERT_EXPIRED: Words(
        Family.DOUBT,
        "印章证书已过期",
        "Seal certificate expired",
        "核验时印章证书已过期，且无可信签章时间",
        "The seal certificate has expired",
    ),
    Reason.CERT_NOT_YET_VALID: Words(
        Family.DOUBT,
        "印章证书尚未生效",
        "Seal certificate not yet valid",
        "印章证书尚未生效",
        "The seal certificate is not yet valid",
    ),
    Reason.CERT_REVOKED: Words(
        Family.DOUBT,
        "印章证书已被吊销",
        "Seal certificate revoked",
        "印章证书已被吊销",
        "The seal certificate was revoked",
    ),
    Reason.CERT_REVOKED_AFTER_SIGNING: Words(
        Family.DOUBT,
        "印章证书在签章后被吊销",
        "Seal certificate revoked after sealing",
        "印章证书在所称签章时间之后被吊销，且无可信时间戳证明签章在先",
        "The seal certificate was revoked after the claimed signing time, which no timestamp proves",
    ),
    Reason.REVOCATION_UNKNOWN: Words(
        Family.LATER,
        "无法确认印章证书是否被吊销",
        "Revocation not known",
        "无法取得印章证书的吊销状态，请稍后再试",
        "The revocation status of the seal certificate is not known: try again later",
    ),
    Reason.NOT_OUR_BYTES: Words(
        Family.CHANGED,
        "不是签发的原件",
        "Not the original",
        "印章属实，但文件不是本机关签发的原件",
        "Our seal, but not a file that we issued",
    ),
    Reason.NOT_OURS: Words(
        Family.FOREIGN, "不是本机关签发", "Not issued here", "不是本机关签发的证照或二维码", "Not issued here"
    ),
    Reason.LICENSE_UNKNOWN: Words(Family.UNKNOWN, "未查到此证照", "No such license", "未查到此证照", "No such license"),
    Reason.LICENSE_PROVISIONAL: Words(
        Family.PROVISIONAL,
        "模拟审批意见",
        "Provisional opinion",
        "模拟审批意见，不具有行政审批文件的法律效力，未转换为正式文件前不得开工建设",
        "Provisional opinion without legal force",
    ),
    Reason.LICENSE_SUSPENDED: Words(
        Family.PAUSED, "已暂扣", "Suspended (暂扣)", "证照已被暂扣，暂扣期内不得使用", "The license is suspended (暂扣)"
    ),
    Reason.LICENSE_SUPERSEDED: Words(
        Family.REPLACED, "已换发新证", "Replaced", "证照已换发新版本，请持证人出示新证", "Replaced by a newer version"
    ),
    Reason.LICENSE_RESCINDED: Words(
        Family.ENDED, "已撤销", "Rescinded (撤销)", "证照已被撤销", "The license was rescinded (撤销)"
    ),
    Reason.LICENSE_WITHDRAWN: Words(
        Family.ENDED, "已撤回", "Withdrawn (撤回)", "证照已被撤回", "The license was withdrawn (撤回)"
    ),
    Reason.LICENSE_REVOKED: Words(
        Family.ENDED, "已吊销", "Revoked (吊销)", "证照已被吊销", "The license was revoked (吊销)"
    ),
    Reason.LICENSE_CANCELLED: Words(
        Family.ENDED, "已注销", "Cancelled (注销)", "证照已注销", "The license was cancelled (注销)"
    ),
    Reason.LICENSE_VOIDED: Words(
        Family.ENDED, "已作废", "Voided (作废)", "证照文件已作废", "The license file was voided (作废)"
    ),
    Reason.LICENSE_EXPIRED: Words(Family.EXPIRED, "已过有效期", "Expired", "证照已过有效期", "The license has expired"),
    Reason.LICENSE_NOT_YET_VALID: Words(
        Family.EARLY, "未到生效日期", "Not yet in force", "证照尚未到生效日期", "The license is not yet valid"
    ),
    Reason.LICENSE_RENEWAL_PENDING: Words(
        Family.OK,
        "延续办理中",
        "Renewal pending",
        "延续办理中，原证照继续有效",
        "Renewal pending; the license continues",
    ),
    Reason.LICENSE_PARENT_ENDED: Words(
        Family.NOTED,
        "所依附的证照已终止",
        "Underlying license ended",
        "所依附的证照已终止，请核实",
        "A license on which it depends has ended",
    ),
    Reason.LICENSE_OBLIGATION_BROKEN: Words(
        Family.NOTED, "未履行承诺", "Obligation broken", "未履行承诺，责令整改中", "An obligation was broken"
    ),
    Reason.LICENSE_OBLIGATION_OVERDUE: Words(
        Family.NOTED, "承诺或补件逾期", "Obligation overdue", "承诺事项或后补材料逾期", "An obligation is overdue"
    ),
    Reason.LICENSE_CHECK_FAILED: Words(
        Family.NOTED, "定期检查不合格", "Periodic check failed", "定期检查不合格", "A periodic check was failed"
    ),
    Reason.LICENSE_CHECK_OVERDUE: Words(
        Family.NOTED, "定期检查逾期", "Periodic check overdue", "定期检查逾期", "A periodic check is overdue"
    ),
    Reason.LICENSE_DORMANT: Words(
        Family.NOTED, "存续（歇业）", "Dormant", "存续（歇业），证照有效", "Dormant; the license is valid"
    ),
    Reason.LICENSE_NOT_REGISTERED_THEN: Words(
        Family.BEFORE,
        "当时尚未登记",
        "Not registered then",
        "所问时刻证照尚未登记",
        "The license was not registered at the moment asked about",
    ),
    Reason.OK_SEAL_OBJECT: Words(
        Family.SEAL,
        "印章数据有效",
        "Seal object valid",
        "印章数据有效：制章者签名属实，印章在有效期内；印章数据不是证照",
        "A valid seal object: its maker's signature is good; it is no license",
    ),
    Reason.OK_RECOGNISED: Words(
        Family.OK,
        "互认证照核验通过",
        "Recognised license verified",
        "互认证照核验通过：印章属实，内容未改，颁发城市的登记答复证照有效",
        "A license of a recognised city: its seal is good, and its own register says that it is in force",
    ),
    Reason.NOT_RECOGNISED: Words(
        Family.FOREIGN,
        "不在互认范围",
        "Not recognised here",
        "其他城市颁发的文件，不在互认范围内：互认尚未生效或已经终止、类型不在互认目录，或对方登记中没有此文件",
        "From another city and not recognised: the agreement, the type or the file is not covered",
    ),
    Reason.SEAL_NOT_IN_USE: Words(
        Family.ENDED,
        "印章不在使用中",
        "Seal not in use",
        "这枚印章已停用、注销、换制或不是现行的印章数据，不得使用",
        "The seal was stopped, cancelled or replaced, or this is not its present object",
    ),
    Reason.SEAL_MAKER_UNKNOWN: Words(
        Family.DOUBT,
        "制章单位不明",
        "Unknown seal maker",
        "印章数据的签名属实，但不知道签名者是否有权制作印章",
        "The object's signature is good, but whether its signer may make seals is not known",
    ),
    Reason.SEAL_EXPIRED: Words(
        Family.EXPIRED,
        "印章已过有效期",
        "Seal expired",
        "印章数据不在有效期内",
        "The seal object is outside its period",
    ),
    Reason.CODE_UNKNOWN: Words(
        Family.FOREIGN,
        "不是正确的二维码",
        "Unknown code",
        "没有登记过这个二维码",
        "This code is not on the register",
        (
            "请勿采信。亮证码请持证人重新亮证；印在证面上的，请向颁发机构核实，怀疑伪造的请向其反映。",
            "Do not rely on it. On a phone: ask to show again. Printed: ask the issuer, or report a suspected forgery.",
        ),
    ),
    Reason.CODE_EXPIRED: Words(
        Family.CODE,
        "二维码已过期",
        "Code expired",
        "亮证码已过期，请持证人刷新后重新出示",
        "The code has expired: ask the holder to refresh",
    ),
    Reason.CODE_USED: Words(
        Family.CODE,
        "二维码已被使用",
        "Code already used",
        "亮证码已被使用，请持证人刷新后重新出示",
        "The code was used: ask the holder to refresh",
    ),
    Reason.SCENE_NOT_FOR_YOU: Words(
        Family.CODE,
        "场景不是给您的",
        "Another scene was shown",
        "持证人选择的场景不是给您的，未提供信息；请持证人改选场景后重新亮证",
        "The holder chose another scene: ask to show again for yours",
        (
            "请先按提示弄清原因；需要信息的，请持证人改选给您的场景后重新亮证，只刷新二维码没有用。",
            "See why first. For data, ask the holder to show again in the scene for you: refreshing does not help.",
        ),
    ),
    Reason.CODE_FOR_HOLDER: Words(
        Family.CODE,
        "这是给持证人扫的码",
        "A code for holders",
        "这是核验方出示的码，由持证人登录后扫；核验请扫持证人出示的亮证码",
        "A verifier made this code for a holder to scan: scan the one that the holder shows",
        (
            "持证人请登录“我的证照”后扫这个码；核验人员请扫持证人出示的亮证码。",
            "Holders: sign in at My licenses and scan it there. Verifiers: scan the code that the holder shows.",
        ),
    ),
    Reason.TOO_LARGE: Words(
        Family.BROKEN, "文件太大", "File too large", "文件超过大小限制", "The file is larger than the limit"
    ),
    Reason.TIMED_OUT: Words(
        Family.LATER,
        "核验超时",
        "Timed out",
        "核验超时，未得出结论，请稍后再试",
        "No conclusion in time: try again later",
    ),
    Reason.CANNOT_CHECK_NOW: Words(
        Family.LATER,
        "暂时无法核验",
        "Cannot be checked now",
        "暂时无法核验，请稍后再试",
        "Cannot be checked now: try again later",
    ),
    **OFFLINE_WORDS,
    **COPY_WORDS,
}


REMARKS: dict[Remark, tuple[str, str]] = {
    Remark.LATER_SIGNATURE_SHOWS: (
        "首枚印章之后加入的签名或印章在页面上有图样，可能遮住盖章时的内容，请查看图样下的内容",
        "A signature added after the first seal shows on the page and may hide what was sealed: look below it",
    ),
    Remark.DETAILS_CHANGED_LATER: (
        "首枚印章之后文件的说明信息（标题、作者等）被改动，请以页面上的内容为准",
        "Details of the document (title, author and so on) were changed after the first seal: go by its pages",
    ),
    Remark.EARLIER_FORM: (
        "这份文件真实有效；同一证照后来有较新的一份文件（追加时间戳或换章），可以下载",
        "This file is genuine; the same license now has a newer file (timestamped or sealed anew)",
    ),
}


def words_of(reason: Reason) -> Words:
    """The words of a reason; a test holds that every reason has some."""
    return WORDS[reason]
