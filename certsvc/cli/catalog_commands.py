"""``certsvc catalog start|sample``: what an operator begins with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def catalog_start(
    target: Annotated[Path, typer.Argument(help="写到哪里：一个还没有的目录")],
    province: Annotated[str, typer.Option(help="本省行政区划代码的前两位，如 33")],
    slug: Annotated[list[str] | None, typer.Option("--type", help="证照类型，可多次；缺省全部")] = None,
) -> None:
    """写一份目录草稿：示例目录改到本省、用 SM2 印章；机构、事项再由本地改写 · a catalog to begin with."""
    from certsvc.cli.catalog_start import write_start

    slugs = write_start(target, province, slug or ())
    typer.echo(f"已写入 {target}：{'、'.join(slugs)}")
    typer.echo("机构的名称和代码、事项编码都是示例：改成本地的，再运行 certsvc catalog check")


def catalog_sample(
    slug: Annotated[str, typer.Argument(help="证照类型")],
    business_no: Annotated[str, typer.Option(help="业务流水号，每次换一个")],
    holder: Annotated[
        int, typer.Option(help="换成第几个编造的单位：同一单位的同类证照不能再发", min=0, max=999_999)
    ] = 0,
) -> None:
    """打印一份制证申请的样例（JSON），可直接 POST /v1/issuances 试制 · a request to try a type with."""
    from certsvc.catalog.loader import load_catalog
    from certsvc.cli.samples import for_another, sample_body
    from certsvc.settings import load_settings

    body = sample_body(load_catalog(load_settings().catalog_dir), slug, business_no)
    typer.echo(json.dumps(for_another(body, holder) if holder else body, ensure_ascii=False, indent=2))
