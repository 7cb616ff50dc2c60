// Reason codes into one glance: a colour, a symbol, a short word and the next step. Ended, expired, changed, not ours and
// "cannot be checked now" each have their own symbol and word, so that none is ever taken for another.
import { english } from "./words.js";

/** group -> [colour, symbol, next step zh, next step en] */
const GROUPS = {
  ok: ["green", "ok", "可以采信。需要核对人员时，请再看身份证件。", "You may rely on it. Check the person's identity document where it matters."],
  registered: ["green", "ok", "请核对证面与登记内容是否一致，并核对持证人身份；只看二维码或编号不能证明手里的证照没有被改动。", "Compare the print with the register and check the person: a code alone does not prove that the paper is unchanged."],
  ended: ["red", "ended", "请勿采信。可请持证人向颁发机构咨询，有异议的可以提出异议申诉。", "Do not rely on it. The holder may ask the issuer or object."],
  paused: ["red", "paused", "暂扣期内不得使用，请勿采信。", "Do not rely on it while it is suspended."],
  expired: ["red", "expired", "请勿采信。请持证人办理延续或出示新证。", "Do not rely on it. Ask for a renewed license."],
  early: ["red", "early", "请在生效日期以后再核验。", "Check again from its first day."],
  replaced: ["red", "replaced", "请持证人出示换发后的新证。", "Ask the holder for the new license."],
  changed: ["red", "changed", "请勿采信。请持证人从“我的证照”重新下载原文件；怀疑伪造的，请向颁发机构反映。", "Do not rely on it. Ask for the original file; report a suspected forgery to the issuer."],
  foreign: ["red", "foreign", "请勿采信。请弄清文件或二维码从哪里来；由其他机关颁发的，请到该机关的核验平台核验。", "Do not rely on it here. Find out where it comes from, or check with its own issuer."],
  unsealed: ["red", "unsealed", "请持证人提供带电子印章的 PDF 原文件。", "Ask for the sealed original PDF."],
  unknown: ["red", "foreign", "请核对类型、编号和全称后再试一次；仍查不到的，请向颁发机构核实。", "Check what you typed; if it stays unknown, ask the issuer."],
  code: ["amber", "used", "请持证人刷新二维码，再扫一次。", "Ask the holder to refresh the code and scan again."],
  doubt: ["amber", "doubt", "不能得出结论，请勿采信。请向颁发机构核实。", "No conclusion: do not rely on it. Ask the issuer."],
  broken: ["amber", "doubt", "请向持证人索取 PDF 原文件，再核验一次。", "Ask the holder for the original PDF and check again."],
  later: ["amber", "later", "没有得出结论，不代表证照有问题。请稍后再试，或核对证照原件。", "No conclusion, and nothing against the license. Try again later."],
  provisional: ["amber", "provisional", "只是模拟审批意见，请等待正式证照。", "A provisional opinion only: wait for the license."],
};

/** reason -> [group, word zh, word en] */
const REASONS = {
  ok: ["ok", "核验通过", "Verified"],
  ok_signed_document: ["ok", "签署文件核验通过", "Signed document verified"],
  signing_unfinished: ["doubt", "签署尚未完成", "Signing not complete"],
  on_register: ["registered", "登记状态正常", "In force on the register"],
  ok_register_not_asked: ["doubt", "未与登记比对", "Register not asked"],
  scene_not_for_you: ["code", "场景不是给您的", "Another scene was shown"],
  not_a_pdf: ["broken", "不是 PDF 文件", "Not a PDF"],
  malformed: ["broken", "文件已损坏", "Damaged file"],
  encrypted: ["broken", "文件已加密", "Encrypted file"],
  no_signature: ["unsealed", "没有电子印章", "No seal"],
  only_timestamps: ["unsealed", "没有电子印章", "No seal"],
  unsupported_signature: ["doubt", "印章格式无法识别", "Unknown seal format"],
  changed_after_sealing: ["changed", "盖章后被改动", "Changed after sealing"],
  not_fully_covered: ["changed", "印章未覆盖全文", "Not fully sealed"],
  digest_mismatch: ["changed", "内容被改动", "Content was changed"],
  bad_signature: ["changed", "印章签名无效", "Seal not valid"],
  weak_algorithm: ["doubt", "签名强度不足", "Weak algorithm"],
  untrusted_chain: ["foreign", "印章不在信任列表内", "Seal not trusted"],
  wrong_key_usage: ["doubt", "证书不能用于签章", "Wrong certificate"],
  cert_expired: ["doubt", "印章证书已过期", "Seal certificate expired"],
  cert_not_yet_valid: ["doubt", "印章证书尚未生效", "Seal certificate not yet valid"],
  cert_revoked_after_signing: ["doubt", "印章证书在签章后被吊销", "Seal certificate revoked after sealing"],
  revocation_unknown: ["later", "无法确认印章证书是否被吊销", "Revocation not known"],
  cert_revoked: ["doubt", "印章证书已被吊销", "Seal certificate revoked"],
  not_our_bytes: ["changed", "不是签发的原件", "Not the original"],
  not_ours: ["foreign", "不是本机关签发", "Not issued here"],
  license_unknown: ["unknown", "未查到此证照", "No such license"],
  license_provisional: ["provisional", "模拟审批意见", "Provisional opinion"],
  license_suspended: ["paused", "已暂扣", "Suspended (暂扣)"],
  license_superseded: ["replaced", "已换发新证", "Replaced"],
  license_rescinded: ["ended", "已撤销", "Rescinded (撤销)"],
  license_withdrawn: ["ended", "已撤回", "Withdrawn (撤回)"],
  license_revoked: ["ended", "已吊销", "Revoked (吊销)"],
  license_cancelled: ["ended", "已注销", "Cancelled (注销)"],
  license_voided: ["ended", "已作废", "Voided (作废)"],
  license_expired: ["expired", "已过有效期", "Expired"],
  license_not_yet_valid: ["early", "未到生效日期", "Not yet in force"],
  license_renewal_pending: ["ok", "延续办理中", "Renewal pending"],
  code_unknown: ["foreign", "不是正确的二维码", "Unknown code"],
  code_expired: ["code", "二维码已过期", "Code expired"],
  code_used: ["code", "二维码已被使用", "Code already used"],
  too_large: ["broken", "文件太大", "File too large"],
  timed_out: ["later", "核验超时", "Timed out"],
  cannot_check_now: ["later", "暂时无法核验", "Cannot be checked now"],
};

const UNCLEAR = ["doubt", "不能得出结论", "No conclusion"];

const WORSE = { green: 0, amber: 1, red: 2 };
const PLAIN_SYMBOL = { green: "ok", amber: "doubt", red: "no" };
const MILD = ["broken", "provisional", "code", "later"];

/**
 * How a reason looks. `light` (green, red, amber) is the service's own judgement; the worse of the two is shown, so that
 * a reason this page does not know yet can never look better than it is.
 */
export function look(reason, light = "") {
  const [group, zh, en] = REASONS[reason] || UNCLEAR;
  const [own, symbol, nextZh, nextEn] = GROUPS[group];
  const colour = WORSE[light] > WORSE[own] ? light : own;
  return {
    colour,
    symbol: own === "green" && colour !== "green" ? PLAIN_SYMBOL[colour] : symbol,
    group,
    word: english() ? en : zh,
    second: english() ? zh : en,
    next: english() ? nextEn : nextZh,
  };
}

/** The light of a verdict: green only for TOTAL-PASSED; red for what failed, unless only the upload was at fault. */
export function lightOf(indication, reason) {
  if (indication === "TOTAL-PASSED") return "green";
  if (indication !== "TOTAL-FAILED") return "amber";
  return MILD.includes((REASONS[reason] || UNCLEAR)[0]) ? "amber" : "red";
}
