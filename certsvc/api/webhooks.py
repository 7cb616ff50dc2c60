"""Webhooks: a system says where it wants which events, sees what was sent, and has it sent again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import AwareDatetime, Field, model_validator

from certsvc.api.auth import Access, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.api.seal_bodies import Sent
from certsvc.commands.access import roles
from certsvc.commands.ports import Principal
from certsvc.commands.shapes import Line
from certsvc.commands.webhooks.replay import MAX_LOG_PAGE, Wish, delivery_log, replay
from certsvc.commands.webhooks.subscribe import (
    MAX_PAGE,
    MAX_REASON,
    MAX_TYPES,
    MAX_URL,
    Change,
    Seen,
    change_webhook,
    create_webhook,
    delete_webhook,
    list_webhooks,
    new_secret,
    read_webhook,
    send_test,
)
from certsvc.events.webhooks import Delivery, DeliveryState, SubscriptionState, Try

router = APIRouter(tags=["webhooks 事件推送"], route_class=JsonRoute)

OWNER = Access(roles.EVENTS)
KEEPER = Access(roles.EVENTS, roles.OPERATOR)
"""Who stops, starts, tests and replays; what is sent where is the owner's alone."""
READER = Access(roles.EVENTS, roles.AUDITOR, roles.OPERATOR)

SubscriptionId = Annotated[str, Path(max_length=64, pattern=r"^whk_[0-9A-Z]+$", description="订阅编号")]
Url = Annotated[str, Field(min_length=1, max_length=MAX_URL, description="https 网址，或运维列入允许的地址")]
TypeName = Annotated[str, Field(min_length=1, max_length=100)]
Types = Annotated[
    list[TypeName],
    Field(min_length=1, max_length=MAX_TYPES, description="事件名如 license.issued.v1、整类如 license.*，或 * 全部"),
]
Position = Annotated[int, Field(ge=0, le=2**53 - 1)]


class WebhookIn(Sent):
    """A new subscription."""

    url: Url
    types: Types


class WebhookChangeIn(Sent):
    """What shall be otherwise; what is left out stays."""

    url: Url | None = None
    types: Types | None = None
    state: Literal["active", "paused", "disabled"] | None = Field(
        default=None, description="active 启用（并立即重试等候的）· paused 暂停发送 · disabled 停用"
    )
    reason: Line = Field(default="", max_length=MAX_REASON, description="暂停或停用的原因")

    @model_validator(mode="after")
    def _something(self) -> WebhookChangeIn:
        if self.url is None and self.types is None and self.state is None:
            msg = "请填写要更改的内容：url、types 或 state"
            raise ValueError(msg)
        return self


class SecretIn(Sent):
    """How to change over."""

    keep_old: bool = Field(default=True, description="旧密钥再签一天；密钥泄露时请填 false，旧的立即停用")


class ReplayIn(Sent):
    """What to send again: behind a position, from a time on, one event, or what failed."""

    after: Position | None = Field(default=None, description="从此位置之后；接着上次未完的，填上次的 next")
    since: AwareDatetime | None = Field(default=None, description="从此时刻起")
    until: Position | None = Field(default=None, description="到此位置为止")
    position: Annotated[Position, Field(ge=1)] | None = Field(default=None, description="只重发此位置的一件")
    failed: bool = Field(default=False, description="只重发未送达的")

    @model_validator(mode="after")
    def _one_way(self) -> ReplayIn:
        others = (self.after, self.since, self.until)
        if self.position is not None and (any(one is not None for one in others) or self.failed):
            msg = "position 不能与其他条件同时使用"
            raise ValueError(msg)
        if self.position is None and self.after is None and self.since is None and not self.failed:
            msg = "请填写 after、since、position 之一，或 failed=true"
            raise ValueError(msg)
        return self

    def wish(self) -> Wish:
        """As the command takes it."""
        return Wish(
            after=self.after or 0, since=self.since, until=self.until, position=self.position, failed=self.failed
        )


class WebhookOut(Model):
    """A subscription, without its secrets."""

    subscription_id: str
    client_id: str
    url: str
    types: list[str]
    state: str
    reason: str = Field(
        description="gone 接收方答 410 · failing 持续失败 · paused_too_long · access_ended · operator，或所填原因"
    )
    stopped_by: str = Field(description="owner 接入系统自己暂停或停用，只能由它启用 · operator · service；推送中的为空")
    after: int = Field(description="此位置之后的事件会推送")
    missed_after: int | None = Field(description="停用期间没有排队的事件，在此位置之后")
    missed_until: int | None = Field(description="到此位置为止；仍在停用时为空")
    failures: int = Field(description="连续失败次数")
    failing_since: datetime | None
    last_success_at: datetime | None
    waiting: int = Field(description="等候发送")
    failed: int = Field(description="未送达")
    created_at: datetime
    changed_at: datetime

    @staticmethod
    def of(seen: Seen) -> WebhookOut:
        """From a subscription and its counts."""
        one = seen.subscription
        return WebhookOut(
            subscription_id=one.subscription_id,
            client_id=one.client_id,
            url=one.url,
            types=list(one.types),
            state=one.state.value,
            reason=one.reason,
            stopped_by=one.stopped_by.value,
            after=one.after,
            missed_after=one.missed_after,
            missed_until=one.missed_until,
            failures=one.failures,
            failing_since=one.failing_since,
            last_success_at=one.last_success_at,
            waiting=seen.waiting,
            failed=seen.failed,
            created_at=one.created_at,
            changed_at=one.changed_at,
        )


class WebhookMadeOut(Model):
    """A new subscription and its secret, which is shown this once."""

    webhook: WebhookOut
    secret: str = Field(description="签名密钥，只显示这一次")


class WebhooksPage(Model):
    """A page of subscriptions; ``next`` goes into ``after`` for the following one, and is empty at the end."""

    webhooks: list[WebhookOut]
    next: str


class SecretOut(Model):
    """A new secret, shown this once."""

    secret: str
    old_until: datetime | None = Field(description="旧密钥签到何时；空为已停用")


class WebhookTestedOut(Model):
    """The test event that is on its way."""

    event_id: str


class TryOut(Model):
    """One try."""

    at: datetime
    status: int = Field(description="HTTP 状态；0 为没有应答")
    fault: str = Field(
        description="空为成功 · timeout · no_answer · address_refused · redirect · status · gone · not_for_it"
    )
    duration_ms: int

    @staticmethod
    def of(tried: Try) -> TryOut:
        """From a try."""
        return TryOut(at=tried.at, status=tried.status, fault=tried.fault.value, duration_ms=tried.duration_ms)


class DeliveryOut(Model):
    """One event for this subscription, and the last tries to send it."""

    position: int
    event_id: str
    type: str
    subject: str
    state: str
    attempts: int = Field(description="排队（或最近一次重发）以来的次数")
    next_try_at: datetime | None = Field(description="下次发送不早于此时；不再发送的为空")
    replays: int
    created_at: datetime
    ended_at: datetime | None
    tries: list[TryOut]

    @staticmethod
    def of(one: Delivery) -> DeliveryOut:
        """From a delivery."""
        return DeliveryOut(
            position=one.position,
            event_id=one.event_id,
            type=one.type,
            subject=one.subject,
            state=one.state.value,
            attempts=one.attempts,
            next_try_at=one.ready_at if one.state is DeliveryState.WAITING else None,
            replays=one.replays,
            created_at=one.created_at,
            ended_at=one.ended_at,
            tries=[TryOut.of(tried) for tried in one.tries],
        )


class DeliveriesPage(Model):
    """A page of the log, the newest first; ``next`` goes into ``before`` for the following one, and is 0 at the end."""

    deliveries: list[DeliveryOut]
    next: int


class ReplayOut(Model):
    """How many events were queued again, and where to go on."""

    count: int
    next: int | None = Field(description="还没有看完：请以此为 after 再次提交；空为已到末尾")


@router.post("/v1/webhooks", status_code=201)
def create(request: Request, body: WebhookIn, caller: Annotated[Principal, Depends(OWNER)]) -> WebhookMadeOut:
    """Have events sent from now on; keep the secret, it is shown this once."""
    made, secret = create_webhook(deps_of(request), caller, url=body.url, types=body.types)
    return WebhookMadeOut(webhook=WebhookOut.of(Seen(subscription=made)), secret=secret)


@router.get("/v1/webhooks")
def list_all(
    request: Request,
    caller: Annotated[Principal, Depends(READER)],
    after: Annotated[str, Query(max_length=64, pattern=r"^(whk_[0-9A-Z]+)?$")] = "",
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = MAX_PAGE,
) -> WebhooksPage:
    """The caller's own subscriptions; auditors and operators see all."""
    found = list_webhooks(deps_of(request), caller, behind=after, limit=limit)
    following = found[-1].subscription.subscription_id if len(found) == limit else ""
    return WebhooksPage(webhooks=[WebhookOut.of(one) for one in found], next=following)


@router.get("/v1/webhooks/{subscription_id}")
def read(
    request: Request, subscription_id: SubscriptionId, caller: Annotated[Principal, Depends(READER)]
) -> WebhookOut:
    """One subscription, with how many of its deliveries wait and failed."""
    return WebhookOut.of(read_webhook(deps_of(request), caller, subscription_id))


@router.patch("/v1/webhooks/{subscription_id}")
def change(
    request: Request,
    subscription_id: SubscriptionId,
    body: WebhookChangeIn,
    caller: Annotated[Principal, Depends(KEEPER)],
) -> WebhookOut:
    """Change where, what, or (operators too) whether; activating tries everything that waits at once."""
    wanted = Change(
        url=body.url,
        types=body.types,
        state=SubscriptionState(body.state) if body.state is not None else None,
        reason=body.reason,
    )
    deps = deps_of(request)
    change_webhook(deps, caller, subscription_id, wanted)
    return WebhookOut.of(read_webhook(deps, caller, subscription_id))


@router.delete("/v1/webhooks/{subscription_id}", status_code=204)
def delete(request: Request, subscription_id: SubscriptionId, caller: Annotated[Principal, Depends(OWNER)]) -> Response:
    """Nothing is sent any more, and the log goes with it."""
    delete_webhook(deps_of(request), caller, subscription_id)
    return Response(status_code=204)


@router.post("/v1/webhooks/{subscription_id}/secret", status_code=201)
def change_secret(
    request: Request,
    subscription_id: SubscriptionId,
    caller: Annotated[Principal, Depends(KEEPER)],
    body: SecretIn = SecretIn(),
) -> SecretOut:
    """Another secret, shown this once; the one before signs beside it for a day."""
    secret, until = new_secret(deps_of(request), caller, subscription_id, keep_old=body.keep_old)
    return SecretOut(secret=secret, old_until=until)


@router.post("/v1/webhooks/{subscription_id}/tests", status_code=202)
def send_a_test(
    request: Request, subscription_id: SubscriptionId, caller: Annotated[Principal, Depends(KEEPER)]
) -> WebhookTestedOut:
    """Send ``webhook.tested.v1`` to this subscription alone, by the way that every event takes."""
    return WebhookTestedOut(event_id=send_test(deps_of(request), caller, subscription_id))


@router.get("/v1/webhooks/{subscription_id}/deliveries")
def deliveries(
    request: Request,
    subscription_id: SubscriptionId,
    caller: Annotated[Principal, Depends(READER)],
    state: Annotated[Literal["waiting", "delivered", "failed"] | None, Query(description="只看此状态")] = None,
    before: Annotated[int, Query(ge=0, le=2**53 - 1, description="此位置之前的；0 从最新的看起")] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_LOG_PAGE)] = 50,
) -> DeliveriesPage:
    """What was sent, what waits and what failed; confirmed ones are kept for 30 days."""
    chosen = DeliveryState(state) if state is not None else None
    found = delivery_log(deps_of(request), caller, subscription_id, state=chosen, before=before, limit=limit)
    following = found[-1].position if len(found) == limit else 0
    return DeliveriesPage(deliveries=[DeliveryOut.of(one) for one in found], next=following)


@router.post("/v1/webhooks/{subscription_id}/replays", status_code=202)
def send_again(
    request: Request,
    subscription_id: SubscriptionId,
    body: ReplayIn,
    caller: Annotated[Principal, Depends(KEEPER)],
) -> ReplayOut:
    """Send again what is in the feed, with the same ids, whatever became of it before."""
    done = replay(deps_of(request), caller, subscription_id, body.wish())
    return ReplayOut(count=done.count, next=done.next)
