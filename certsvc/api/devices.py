"""设备: keys of phones and counters that show or check without network; enrolled by proof, blocked when lost."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.commands.devices.enrol import ADMINISTRATORS, ANYONE_WITH_DEVICES, begin, block, confirm, own_devices
from certsvc.commands.ports import Principal
from certsvc.license.devices import CHALLENGE_LIFETIME, Device, DeviceKind, DeviceState, possession_message

router = APIRouter(tags=["device 设备"], route_class=JsonRoute)

OWNER = Access(*ANYONE_WITH_DEVICES)
MANAGER = Access(*ANYONE_WITH_DEVICES, *ADMINISTRATORS)

MAX_NAME_CHARS = 40
MAX_SIGNATURE_CHARS = 128
"""Of base64url of 64 bytes, which is 86; stops oversized input."""


class DeviceIn(Model):
    """A key that a device made for itself; the private half never leaves it."""

    kind: DeviceKind = Field(description="holder 持证人亮证 · officer 执法人员、窗口、闸机核验")
    name: str = Field(min_length=1, max_length=MAX_NAME_CHARS, description="设备名称，本人自定")
    public_key: Mapping[str, Any] = Field(
        max_length=16, description="公钥 JWK：WebCrypto ECDSA P-256，exportKey('jwk', publicKey) 所得"
    )


class ProofIn(Model):
    """Proof of possession."""

    signature: str = Field(
        min_length=1,
        max_length=MAX_SIGNATURE_CHARS,
        description="对 sign_text（ASCII）的 ECDSA P-256、SHA-256 签名，r 与 s 共 64 字节，base64url",
    )


class DeviceOut(Model):
    """One device."""

    device_id: str
    kind: DeviceKind
    state: DeviceState
    name: str
    owner: str = Field(description="设备所属人员的账号")
    authority_code: str = Field(description="执法人员所属机构；持证人的为空")
    thumbprint: str = Field(description="公钥指纹（RFC 7638）")
    created_at: datetime
    confirmed_at: datetime | None
    blocked_at: datetime | None

    @staticmethod
    def of(device: Device) -> DeviceOut:
        """From a device."""
        return DeviceOut(**_said_of(device))


class BegunOut(DeviceOut):
    """A claimed key and what its device signs now."""

    challenge: str
    sign_text: str = Field(description="设备应签名的文本")
    expires_at: datetime = Field(description="最迟何时签名")


@router.post("/v1/devices", status_code=201)
def enrol(request: Request, body: DeviceIn, caller: Annotated[Principal, Depends(OWNER)]) -> BegunOut:
    """登记设备：先提交公钥，再对所得文本签名（见 proof） · claim a key; the answer says what to sign."""
    device = begin(deps_of(request), caller, kind=body.kind, name=body.name, jwk=body.public_key)
    return BegunOut(
        **_said_of(device),
        challenge=device.challenge,
        sign_text=possession_message(device.device_id, device.challenge).decode("ascii"),
        expires_at=device.created_at + CHALLENGE_LIFETIME,
    )


@router.post("/v1/devices/{device_id}/proof")
def prove(request: Request, device_id: str, body: ProofIn, caller: Annotated[Principal, Depends(OWNER)]) -> DeviceOut:
    """证明设备持有私钥，登记即生效 · the device proves its key and may be used from now on."""
    return DeviceOut.of(confirm(deps_of(request), caller, device_id=device_id, signature=body.signature))


@router.get("/v1/devices")
def devices(request: Request, caller: Annotated[Principal, Depends(MANAGER)]) -> list[DeviceOut]:
    """本人的设备；安全保密管理员为本区域执法人员的设备 · own devices, or those a security officer looks after."""
    return [DeviceOut.of(device) for device in own_devices(deps_of(request), caller)]


@router.post("/v1/devices/{device_id}/block")
def lost(request: Request, device_id: str, caller: Annotated[Principal, Depends(MANAGER)]) -> DeviceOut:
    """挂失设备，不能恢复；已挂失的照样答复 · block a lost device for good."""
    return DeviceOut.of(block(deps_of(request), caller, device_id=device_id))


def _said_of(device: Device) -> dict[str, Any]:
    """What is said of a device; its key and its challenge are not."""
    return {
        "device_id": device.device_id,
        "kind": device.kind,
        "state": device.state,
        "name": device.name,
        "owner": device.subject,
        "authority_code": device.authority_code,
        "thumbprint": device.thumbprint,
        "created_at": device.created_at,
        "confirmed_at": device.confirmed_at,
        "blocked_at": device.blocked_at,
    }
