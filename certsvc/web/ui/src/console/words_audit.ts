// Words of the audit.
import { addWords } from "../shared/words";

addWords({
  "caudit.title": ["审计", "Audit"],
  "caudit.lead": [
    "每件事写入一条留痕，日志只增不改。这里只有序号、种类和时间；内容在证据包里，由有权的人取。",
    "Everything writes a leaf; the log only grows. Here are numbers, kinds and times; contents are in bundles, for those who may.",
  ],
  "caudit.checkpoint": ["最新检查点：共 {size} 条，{at}", "Newest checkpoint: {size} leaves, {at}"],
  "caudit.no_checkpoint": ["还没有检查点。", "There is no checkpoint yet."],
  "caudit.subject": [
    "对象（须完整：证照标识、印章编号、申请编号、账号）",
    "About (in full: identifier, seal, request, account)",
  ],
  "caudit.kind": ["种类", "Kind"],
  "caudit.from": ["起始日", "From"],
  "caudit.to": ["截止日", "To"],
  "caudit.none": ["没有符合条件的留痕。", "Nothing fits."],
  "caudit.not_yet": ["较近的里面没有，请继续查更早的。", "None among the newer ones: look at older ones."],
  "caudit.table": ["留痕，新的在前", "Leaves, newest first"],
  "caudit.position": ["序号", "Number"],
  "caudit.what": ["种类", "Kind"],
  "caudit.at": ["时间", "Time"],
  "caudit.proof": ["证明", "Proof"],
  "caudit.prove": ["核对", "Check"],
  "caudit.prove_one": ["核对第 {position} 条", "Check leaf {position}"],
  "caudit.waiting": ["待进入", "Not yet in"],
  "caudit.proved": [
    "已存证：第 {position} 条在共 {size} 条的日志里，本页已由 {steps} 个散列自行算出同一个树根。",
    "In the log: leaf {position} of {size}; this page came to the same root over {steps} hashes.",
  ],
  "caudit.not_proved": [
    "不符：由证明算出的树根与检查点不同。请保存现场，立即报告安全保密管理员。",
    "Wrong: the proof leads to another root. Keep everything as it is and report it at once.",
  ],
  "caudit.no_crypto": [
    "浏览器在这个地址下不能计算散列，本页没有核对；请改用 https 打开。",
    "The browser computes no digests at this address, so nothing was checked: use https.",
  ],
  "caudit.root": ["树根 {root}", "Root {root}"],
});
