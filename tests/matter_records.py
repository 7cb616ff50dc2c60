"""Records of matters, policies and staff for tests; change fields by keyword."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from typing import Any

from store_records import T0

from certsvc.license.matters import ListedMatter, MatterListVersion
from certsvc.license.policies import Policy, PolicyState
from certsvc.license.staff import StaffMember

BODY = "11990000MB0000019F"
DAY = date(2026, 3, 2)


def make_matter(n: int = 1, **changes: Any) -> ListedMatter:
    matter = ListedMatter(code=f"M{n:06d}", name="示例事项", authority_code=BODY, ends_on=None, version=1)
    return dataclasses.replace(matter, **changes)


def make_list_version(n: int = 1, **changes: Any) -> MatterListVersion:
    version = MatterListVersion(
        version=n,
        source="示例系统",
        digest=f"{n:064d}",
        imported_by="publisher-1",
        imported_at=T0 + timedelta(seconds=n),
        matters=1,
        added=1,
        changed=0,
        ended=0,
    )
    return dataclasses.replace(version, **changes)


def make_policy(n: int = 1, **changes: Any) -> Policy:
    policy = Policy(
        policy_id=f"pol_{n:06d}",
        matter_code=f"M{n:06d}",
        authority_code=BODY,
        type_slug="tour_guide",
        keys=("holder_name", "?holder"),
        bases=("duty",),
        quota=None,
        purpose="示例用证理由",
        state=PolicyState.REQUESTED,
        requested_by="using-1",
        requested_at=T0 + timedelta(seconds=n),
    )
    return dataclasses.replace(policy, **changes)


def make_member(n: int = 1, **changes: Any) -> StaffMember:
    member = StaffMember(
        client_id="using-1",
        account=f"jingban{n:02d}",
        name="示例李四",
        division="许可处",
        active=True,
        from_on=None,
        until_on=DAY,
        set_by="operator-1",
        set_at=T0,
    )
    return dataclasses.replace(member, **changes)
