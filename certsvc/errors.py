"""The one error tree.

Nothing here knows HTTP: ``api/problems.py`` maps the coarse kinds below to status codes, once. Every error carries a
stable ``code``, a Chinese and an English title, and a ``detail`` that says what to do next; ``problems`` names the
fields at fault by JSON pointer (RFC 6901). Misuse by our own code is a ``RuntimeError``, never one of these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldProblem:
    """One field at fault: where it is, what is wrong with it, and what to send instead."""

    pointer: str
    code: str
    detail: str


class CertsvcError(Exception):
    """Root of everything certsvc raises on purpose."""

    code: ClassVar[str] = "internal"
    title_zh: ClassVar[str] = "内部错误"
    title_en: ClassVar[str] = "Internal error"

    def __init__(self, detail: str = "", *, problems: tuple[FieldProblem, ...] = ()) -> None:
        """Keep the sentence for the caller and the fields at fault."""
        super().__init__(detail or self.title_zh)
        self.detail = detail or self.title_zh
        self.problems = problems

    def __reduce__(self) -> tuple[object, ...]:
        """To another process with everything it says, whatever its constructor takes."""
        return _received, (type(self), self.args, self.__dict__)


class InvalidInput(CertsvcError):
    """The shape of what was sent is wrong; nothing was stored."""

    code = "invalid_input"
    title_zh = "提交内容有误"
    title_en = "Invalid input"


class InvalidIdentifier(InvalidInput):
    """An identifier has the wrong form or a wrong check character."""

    code = "invalid_identifier"
    title_zh = "编码格式或校验位有误"
    title_en = "Invalid identifier"

    def __init__(self, kind: str, reason: str, *, pointer: str = "") -> None:
        """Name the kind of identifier and the reason, never the value (it may be personal)."""
        self.kind = kind
        self.reason = reason
        detail = f"{kind}：{reason}"
        problems = (FieldProblem(pointer=pointer, code=self.code, detail=detail),) if pointer else ()
        super().__init__(detail, problems=problems)


class UnknownLicenseType(InvalidInput):
    """The catalog has no such license type."""

    code = "unknown_license_type"
    title_zh = "证照类型不存在或未发布"
    title_en = "Unknown license type"


class MissingGlyph(InvalidInput):
    """No installed font draws a character of the data."""

    code = "missing_glyph"
    title_zh = "字库缺字"
    title_en = "No font has this character"


class UploadRefused(InvalidInput):
    """An upload may not be stamped: broken, encrypted, certified, or holding what can change its face.

    ``problems`` names every reason by a stable code; each says what to do.
    """

    code = "upload_refused"
    title_zh = "文件不能盖章"
    title_en = "This file may not be stamped"


class RegistrationRefused(InvalidInput):
    """A file made elsewhere did not pass as it must before it is registered; ``problems`` says why and what to do."""

    code = "registration_refused"
    title_zh = "来源文件未通过核验，未登记"
    title_en = "The file did not pass, nothing was registered"


class IdempotencyMismatch(InvalidInput):
    """An Idempotency-Key, or a CloudEvents source and id, came again with another body."""

    code = "idempotency_mismatch"
    title_zh = "同一幂等键的内容不一致"
    title_en = "Same idempotency key, other content"


class TooLarge(CertsvcError):
    """What was sent is larger than a named limit."""

    code = "too_large"
    title_zh = "内容超过大小限制"
    title_en = "Too large"


class UnsupportedMedia(CertsvcError):
    """The content type is not one that this endpoint takes."""

    code = "unsupported_media_type"
    title_zh = "不支持的内容类型"
    title_en = "Unsupported media type"


class NotAcceptable(CertsvcError):
    """None of the forms that the caller accepts is one that this endpoint gives."""

    code = "not_acceptable"
    title_zh = "没有所要求的内容类型"
    title_en = "Not acceptable"


class NotFound(CertsvcError):
    """Missing, or not for this caller: the two look alike on purpose (RELIABILITY Q5)."""

    code = "not_found"
    title_zh = "未找到"
    title_en = "Not found"


class Conflict(CertsvcError):
    """The state of the thing does not allow what was asked."""

    code = "conflict"
    title_zh = "与当前状态冲突"
    title_en = "Conflict"


class BusinessKeyConflict(Conflict):
    """The same business key (authority, 业务流水号, type, action) was used with other content."""

    code = "business_key_conflict"
    title_zh = "同一业务流水号的内容不一致"
    title_en = "Same business key, other content"


class IllegalMove(Conflict):
    """The license may not make this move from its present state."""

    code = "illegal_move"
    title_zh = "当前状态不允许此操作"
    title_en = "Illegal move"


class RepeatVisit(Conflict):
    """The one to be visited was visited shortly before, and no reason for another visit is given (综合查一次)."""

    code = "repeat_visit"
    title_zh = "近期已检查，请先确认"
    title_en = "Visited shortly before"


class StateOfSource(Conflict):
    """The license was made elsewhere: its state is reported by its source and decided by nobody here."""

    code = "state_of_source"
    title_zh = "状态以来源系统为准"
    title_en = "The state is its source's"


class SealUnavailable(Conflict):
    """The seal is stopped, expired, out of scope or over its budget; nothing was signed.

    ``against`` is the word of ``seal/use.py`` for what spoke against the use, or empty.
    """

    code = "seal_unavailable"
    title_zh = "印章不可用"
    title_en = "Seal not available"

    def __init__(self, detail: str = "", *, problems: tuple[FieldProblem, ...] = (), against: str = "") -> None:
        """Keep what spoke against the use beside the sentence."""
        super().__init__(detail, problems=problems)
        self.against = against


class SignerUnavailable(Conflict):
    """The signer is stopped, withdrawn, expired or has no certificate yet; nothing was signed."""

    code = "signer_unavailable"
    title_zh = "电子签名不可用"
    title_en = "Signer not available"


class Refused(CertsvcError):
    """Understood and refused on business grounds; the refusal itself is on record."""

    code = "refused"
    title_zh = "不予办理"
    title_en = "Refused"


class PinRefused(Refused):
    """The PIN of a signer is wrong, or was wrong too often."""

    code = "pin_refused"
    title_zh = "PIN 不正确或已锁定"
    title_en = "PIN wrong or locked"


class CodeRefused(Refused):
    """The one-time code is wrong, used, too old, or was made for something else."""

    code = "code_refused"
    title_zh = "验证码不正确或已失效"
    title_en = "One-time code not accepted"


class NoLawfulBasis(Refused):
    """A fetch without an open policy, a grant or a duty behind it.

    ``why`` is the reason for the ledger of the body that asked (``license/uses.py``), or empty; the answer itself has
    one code for all, so that unknown and forbidden look alike.
    """

    code = "no_lawful_basis"
    title_zh = "无合法用证依据"
    title_en = "No lawful basis for this fetch"

    def __init__(self, detail: str = "", *, problems: tuple[FieldProblem, ...] = (), why: str = "") -> None:
        """Keep the reason beside the sentence."""
        super().__init__(detail, problems=problems)
        self.why = why


class ConsentOnly(NoLawfulBasis):
    """A body that acts on the holder's consent alone asked on duty, or for that (公证机构、公用企业、银行).

    It has a code of its own: it says what the caller is, which the caller knows, and nothing of licenses or holders.
    """

    code = "consent_only"
    title_zh = "只能凭持证人授权用证"
    title_en = "This body acts on the holder's consent only"


class OperatorUnknown(Refused):
    """The person in whose name a system asks is not registered by its body, or works there no more."""

    code = "operator_unknown"
    title_zh = "经办人未登记"
    title_en = "Operator is not registered staff"


class Unauthenticated(CertsvcError):
    """No token, or one that is expired, of another audience or not ours."""

    code = "unauthenticated"
    title_zh = "未登录或凭证已失效"
    title_en = "Not authenticated"


class Forbidden(CertsvcError):
    """The caller is known and its role does not reach this door at all (not about one object)."""

    code = "forbidden"
    title_zh = "无此权限"
    title_en = "Role not allowed"


class RateLimited(CertsvcError):
    """Too many calls in the window; wait ``retry_after_s`` seconds and try again."""

    code = "rate_limited"
    title_zh = "请求过于频繁"
    title_en = "Too many requests"

    def __init__(self, detail: str = "", *, retry_after_s: int = 60) -> None:
        """Say how long to wait."""
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class Stale(CertsvcError):
    """The caller's condition does not hold any more: what it read was changed since (RFC 9110 §13.1.1)."""

    code = "precondition_failed"
    title_zh = "内容已被更改"
    title_en = "Changed since it was read"


class Unavailable(CertsvcError):
    """A dependency (database, objects, key ring) does not answer; try again later."""

    code = "unavailable"
    title_zh = "服务暂不可用"
    title_en = "Temporarily unavailable"


class SchemaBehind(Unavailable):
    """The database is of an older release than the program: nothing is lost, all of it is done after the upgrade."""

    code = "schema_behind"
    title_zh = "数据库尚未升级"
    title_en = "The database is to be upgraded"


class ClockInDoubt(Unavailable):
    """The clock of this machine was set, stands behind the register's time, or disagrees with the database's.

    Nothing that carries a time is made, and no code is redeemed, until it is right again or an operator confirmed it.
    """

    code = "clock_in_doubt"
    title_zh = "时钟存疑，暂停办理"
    title_en = "The clock is in doubt"
    retry_after_s: ClassVar[int] = 30


class UseUnknown(Unavailable):
    """A key was asked and gave no answer: whether it signed is not known, and its reservation stays open."""

    code = "use_unknown"
    title_zh = "是否已用印不明"
    title_en = "Whether the key signed is not known"


class WorkerDied(UseUnknown):
    """A process died over the work; what it had begun is not known."""

    code = "worker_died"
    title_zh = "处理进程中断"
    title_en = "A worker process died"


class ConfigurationError(CertsvcError):
    """Settings, catalog or key material cannot be used; the process refuses to start."""

    code = "configuration"
    title_zh = "配置有误"
    title_en = "Bad configuration"


class RenderingError(CertsvcError):
    """A page could not be made from this data; the detail names the field."""

    code = "rendering"
    title_zh = "制证失败"
    title_en = "Rendering failed"


class SigningError(CertsvcError):
    """The key operation failed or its result did not check; nothing was handed out."""

    code = "signing"
    title_zh = "签章失败"
    title_en = "Signing failed"


class NoTimestamp(SigningError):
    """No timestamping authority gave a good token; nothing was handed out."""

    code = "no_timestamp"
    title_zh = "未取得时间戳"
    title_en = "No timestamp"


class IntegrityError(CertsvcError):
    """What was read back is not what was written."""

    code = "integrity"
    title_zh = "数据完整性校验失败"
    title_en = "Integrity check failed"


def _received(kind: type[CertsvcError], args: tuple[object, ...], said: dict[str, object]) -> CertsvcError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(said)
    return error
