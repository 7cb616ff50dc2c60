"""The reasons that only codes checked without network have, in words."""

from __future__ import annotations

from certsvc.seal.families import Family
from certsvc.seal.verdict import Reason
from certsvc.seal.wording import Words

OFFLINE_WORDS: dict[Reason, Words] = {
    Reason.OK_OFFLINE: Words(
        Family.OK,
        "离线核验通过",
        "Verified without network",
        "离线核验通过：证照与出示设备属实，按离线数据证照有效；本码不证明持证人是谁",
        "Verified without network: license and device are genuine, and in force by the data at hand",
    ),
    Reason.IDENTITY_NOT_COMPARED: Words(
        Family.NOTED,
        "请核对身份证件",
        "Compare an identity document",
        "离线码不证明持证人是谁，请核对身份证件后再作结论",
        "An offline code does not prove the person: compare an identity document before you decide",
    ),
    Reason.STATUS_OLD: Words(
        Family.NOTED,
        "状态数据较旧",
        "Status data are old",
        "离线数据已较旧，证照可能在此之后终止，请尽快联网更新或联网复核",
        "The data at hand are old and the license may have ended since: go online as soon as possible",
    ),
    Reason.STATUS_STALE: Words(
        Family.LATER,
        "状态数据过期",
        "Status data out of date",
        "离线数据超过 24 小时，不能据此认为证照有效，请联网更新后再核验",
        "The data at hand are more than 24 hours old and prove nothing: go online and check again",
    ),
    Reason.STATUS_UNKNOWN: Words(
        Family.LATER,
        "没有状态数据",
        "No status data",
        "离线数据里没有这张证照的状态，请联网更新后再核验",
        "The data at hand say nothing about this license: go online and check again",
    ),
    Reason.NOT_IN_FORCE: Words(
        Family.ENDED,
        "已不在有效状态",
        "Not in force",
        "按离线数据证照已终止、换发或暂扣，请联网查看原因",
        "By the data at hand the license has ended, was replaced or is suspended: go online for the reason",
    ),
    Reason.CODE_KEY_UNKNOWN: Words(
        Family.LATER,
        "签发密钥未知",
        "Unknown issuing key",
        "离线数据里没有这个码的签发密钥，请联网更新后再核验；其他机关签发的请到该机关核验",
        "The key of this code is not in the data at hand: go online, or check with its own issuer",
    ),
    Reason.CODE_DEVICE_WRONG: Words(
        Family.FOREIGN,
        "不是持证人设备出示的",
        "Not shown by the holder's device",
        "出示此码的不是证照所绑定的设备，码可能是复制的，请持证人用自己的手机亮证",
        "Not shown by the device it is bound to: ask for the holder's own phone",
    ),
    Reason.CODE_REPEATED: Words(
        Family.CODE,
        "同一个码已扫过",
        "Scanned before",
        "本设备刚才已扫过同一个码，可能是截图，请持证人刷新后重新出示",
        "This very code was scanned on this device before: ask the holder to refresh",
    ),
    Reason.CLOCK_DIFFERS: Words(
        Family.LATER,
        "时间不一致",
        "Clocks differ",
        "二维码或离线数据的时间晚于本机时间，请校准两部手机的时间后再核验",
        "The code or the data come from the future by this clock: set both phones to the right time",
    ),
    Reason.DEVICE_BLOCKED: Words(
        Family.DOUBT,
        "设备已挂失",
        "Device reported lost",
        "出示此码的设备已挂失，请勿采信，请持证人用其他设备联网亮证",
        "The showing device was reported lost: do not rely on it",
    ),
}
