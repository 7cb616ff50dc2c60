"""The agreement a person accepts before a key is made (电子签名法 art. 13 and 15)."""

from __future__ import annotations

VERSION = "2026-01"
"""Changes with the text; the register keeps which one a person accepted."""

TITLE_ZH = "个人电子签名使用协议"

TEXT_ZH: tuple[str, ...] = (
    "本服务为您生成一对签名密钥。私钥由本服务加密保管，须输入您的 PIN 才能使用；本服务不保存、也不知道您的 PIN。",
    "用 PIN（以及发给您的验证码）确认的签名，视为您本人的签名，与手写签名具有同等的法律效力。",
    "请不要把 PIN 和验证码告诉任何人，包括工作人员。怀疑他人知道 PIN 的，请立即停用或注销电子签名。",
    "PIN 连续输错 5 次即锁定。忘记 PIN 无法找回，须注销后重新申请。",
    "签名文件中会出现您的姓名、签名时间、签名事由和手写签名图样，不出现您的证件号码。",
    "注销后不能再签名，证书同时吊销；注销之前签署的文件继续有效。",
)
"""What the page shows, point by point."""
