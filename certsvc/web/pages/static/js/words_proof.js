// Words of the page behind the officers' code.
export const PROOF_WORDS = {
  "proof.title": ["来检查的是谁", "Who came to inspect"],
  "proof.how": ["请这样核对", "How to check"],
  "proof.step1": ["先看网址，是不是政务服务部门公布的地址。", "Is the address one that the authority has published?"],
  "proof.step2": ["请来人出示执法证件，核对机关名称和没有遮盖的证号数字。", "Compare authority and the digits of the badge with the card they carry."],
  "proof.step3": ["不一致的，可以拒绝检查，并向该机关核实。", "If they differ you may refuse, and ask the authority."],
  "proof.step4": ["检查结束后，可以在“我的证照”里查看记录、评价这次检查。", "Afterwards, see the record and mark the visit under My licenses."],
  "proof.to_holder": ["打开我的证照", "My licenses"],
  "proof.body": ["执法机关", "Authority"],
  "proof.task": ["检查任务", "Task"],
  "proof.kinds": ["执法类别", "Trades"],
  "proof.from": ["开始时间", "Since"],
  "proof.until": ["有效时间", "Until"],
  "proof.officers": ["执法人员（证号部分遮盖）", "Officers (badges partly masked)"],
  "proof.state.open": ["检查进行中", "Visit in progress"],
  "proof.state.closed": ["检查已结束", "Visit ended"],
  "proof.state.lapsed": ["已超过有效时间", "Past its time"],
};
