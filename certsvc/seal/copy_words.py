"""The reasons that only annotated copies (加注件) have, in words."""

from __future__ import annotations

from certsvc.seal.families import Family
from certsvc.seal.verdict import Reason
from certsvc.seal.wording import Words

_ASK_ANEW = (
    "请勿采信。仍需要的，请按所办事项重新调用，以新的加注件为准。",
    "Do not rely on it. If it is still needed, fetch it anew for the matter in hand.",
)

COPY_WORDS: dict[Reason, Words] = {
    Reason.OK_COPY: Words(
        Family.OK,
        "加注件核验通过",
        "Annotated copy verified",
        "加注件核验通过：由共享服务为所写的单位和事项制作，内容未改，证照现在有效；它不是证照原件",
        "Annotated copy verified: made by the sharing service for the named body and matter; not the original",
        (
            "只能由所写单位用于所写事项，不得转作他用；请核对单位、事项和期限。",
            "For the named body and matter only: compare body, matter and date, and use it for nothing else.",
        ),
    ),
    Reason.OK_COPY_REGISTERED: Words(
        Family.REGISTERED,
        "加注件登记状态正常",
        "Annotated copy on the register",
        "这个编号的加注件登记状态正常；二维码不证明手里的文件未被改动，请上传文件核验",
        "This copy is good on the register; a code does not prove the file unchanged: upload the file",
        (
            "请上传加注件文件再核验一次；只能由所写单位用于所写事项。",
            "Upload the file of the copy and check again; it is for the named body and matter only.",
        ),
    ),
    Reason.COPY_EXPIRED: Words(
        Family.EXPIRED,
        "加注件已过期",
        "Annotated copy expired",
        "加注件已过所写期限，不能再用；这不说明证照本身如何",
        "The copy is past its date; this says nothing about the license itself",
        _ASK_ANEW,
    ),
    Reason.COPY_WITHDRAWN: Words(
        Family.ENDED,
        "加注件已收回",
        "Annotated copy withdrawn",
        "持证人已收回这份加注件，不能再用",
        "The holder has withdrawn this copy",
        ("请勿采信。仍需要的，请持证人重新授权。", "Do not rely on it. If it is still needed, ask the holder again."),
    ),
    Reason.COPY_LICENSE_ENDED: Words(
        Family.ENDED,
        "证照已失效，加注件同时失效",
        "The license ended, and the copy with it",
        "加注件所依据的证照已经失效，加注件同时失效",
        "The license that this copy was made of is no longer in force, and so is the copy",
        (
            "请勿采信。请查明证照现状；已据此办理的，请复核相关办件。",
            "Do not rely on it. See how the license stands, and review what was decided on it.",
        ),
    ),
    Reason.COPY_LICENSE_REPLACED: Words(
        Family.REPLACED,
        "证照已换发，加注件失效",
        "The license was replaced",
        "加注件所依据的证照已被新证替代，加注件同时失效",
        "A newer license took the place of the one that this copy was made of",
        (
            "请按所办事项重新调用，以新证的加注件为准。",
            "Fetch it anew for the matter in hand: the copy of the new license counts.",
        ),
    ),
    Reason.COPY_LICENSE_SUSPENDED: Words(
        Family.PAUSED,
        "证照暂扣，加注件暂停使用",
        "The license is suspended",
        "加注件所依据的证照正被暂扣，暂扣期内加注件不得使用；恢复后可再用",
        "The license is suspended: the copy must not be used until it is resumed",
        ("暂扣期内不得使用；恢复后请再核验一次。", "Do not use it now; check again once the license is resumed."),
    ),
    Reason.COPY_CHANGED: Words(
        Family.CHANGED,
        "不是提供过的加注件，或已被改动",
        "Not a copy that was given, or changed",
        "文件带有共享服务的签章，但不是本系统提供过的加注件，或者提供以后被改动",
        "The seal of the sharing service is on it, but these are not the bytes of any copy that was given",
        (
            "请勿采信。请由用证单位重新下载加注件；怀疑伪造的，请向共享服务反映。",
            "Do not rely on it. Have the body that fetched it download it anew; report a suspected forgery.",
        ),
    ),
    Reason.COPY_FOR_ANOTHER: Words(
        Family.DOUBT,
        "加注件不是给您单位的",
        "A copy for another body",
        "加注件属实，但它是为其他单位的事项制作的，您单位不能用它办事",
        "The copy is genuine, but was made for another body's matter: yours may not use it",
        (
            "请按您单位的事项自行调用，不收他人转来的加注件。",
            "Fetch the license for a matter of your own; take no copies that were made for others.",
        ),
    ),
    Reason.CODE_OF_COPY: Words(
        Family.CODE,
        "这是加注件上的码",
        "The code of an annotated copy",
        "这是加注件上的二维码，不是持证人出示的亮证码，不能据此核对持证人",
        "This code stands on an annotated copy; it is no code that a holder shows",
        (
            "请到核验页面扫这个码，或上传加注件文件；现场检查请持证人亮证。",
            "Scan it on the public check page, or upload the file. On site, ask the holder to show.",
        ),
    ),
}
