"""``docs/roles.md``: which role may call which route, from the routes themselves; a test compares it."""

from __future__ import annotations

from collections import defaultdict

from fastapi.routing import APIRoute

from certsvc.api.application import ROUTERS
from certsvc.api.auth import Access
from certsvc.commands.access.roles import ALL, EXCLUSIVE, ROLE_ZH

SYSTEM_ROLE_ZH = {
    "approval": "审批系统",
    "approval_any": "统一审批平台",
    "source": "来源系统",
    "using": "用证系统",
    "events": "事件订阅系统",
    "scan": "闸机、自助终端、小程序后台",
    "kinship": "民政、公安系统",
    "regulator": "监管部门系统",
    "registry": "市场主体登记系统",
}
"""Roles that systems have."""

NAMES = {**ROLE_ZH, **SYSTEM_ROLE_ZH}

HEAD = """# 角色与接口

本页由 `certsvc roles` 从程序中的接口生成，请勿手工修改。管理员据此决定给谁哪个角色；
授予的命令见 [operations.md](operations.md)，单个账号不能兼任的角色见文末。

* 没有列出的角色一律拒绝（403 `forbidden`），没有令牌的一律 401。
* 角色只决定能否进门：能看到哪些数据，还要看所属机构、持证人本人和事项。
* “公开”的接口任何人都可调用，按来源地址限次；其余按账号限次。
* 旧接口（[facades.md](facades.md)）不在此列：各按自己的账号开放，缺省关闭。
* 运行指标不在此列：在单独的端口上，见 [operations.md](operations.md)。
"""


def roles_markdown() -> str:
    """The whole page."""
    public: list[str] = []
    signed_in: list[str] = []
    by_role: defaultdict[str, list[str]] = defaultdict(list)
    for name, roles in sorted(allowed().items(), key=lambda one: _order(one[0])):
        if roles is None:
            public.append(name)
        elif roles == ALL:
            signed_in.append(name)
        else:
            for role in roles:
                by_role[role].append(name)
    people = [role for role in NAMES if role in ROLE_ZH]
    systems = [role for role in NAMES if role in SYSTEM_ROLE_ZH]
    parts = [HEAD, "## 人员\n", *(_part(role, by_role[role]) for role in people)]
    parts += ["## 系统\n", *(_part(role, by_role[role]) for role in systems)]
    parts += ["## 登录后任何角色\n", _list(signed_in), "## 公开\n", _list(public), "## 不得兼任\n", _exclusive()]
    return "\n".join(parts)


def allowed() -> dict[str, frozenset[str] | None]:
    """Per route (``GET /v1/…``) the roles that it lets in; None for anyone."""
    found: dict[str, frozenset[str] | None] = {}
    for module in ROUTERS:
        for route in module.router.routes:
            if isinstance(route, APIRoute):
                doors = [one.call for one in route.dependant.dependencies if isinstance(one.call, Access)]
                roles = frozenset(doors[0].roles) if doors else None
                found.update({f"{method} {route.path}": roles for method in sorted(route.methods or ())})
    return found


def _order(name: str) -> tuple[str, str]:
    method, _, path = name.partition(" ")
    return path, method


def _part(role: str, routes: list[str]) -> str:
    return f"### {NAMES[role]} `{role}`\n\n{_list(routes)}"


def _list(routes: list[str]) -> str:
    return "\n".join(f"- `{name}`" for name in routes) + "\n" if routes else "（只有登录后任何角色都可用的接口）\n"


def _exclusive() -> str:
    pairs = sorted("、".join(NAMES[role] for role in sorted(pair)) for pair in EXCLUSIVE)
    return "\n".join(f"- {pair}" for pair in pairs) + "\n"
