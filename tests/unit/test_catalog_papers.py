"""What a person who knows the paper looks for on it, type by type.

Written down from STANDARDS.md 7 (主要照面字段, 有效期, 持证), not read from the files under test. An entry may be the
start of a label, because papers write 法定代表人（负责人） where the list says 法定代表人.
"""

from __future__ import annotations

import pytest

from certsvc.catalog.loader import load_catalog
from certsvc.catalog.model import HolderKind, Mask, ValidityKind

CATALOG = load_catalog()
L, N, E = HolderKind.ORGANISATION, HolderKind.PERSON, HolderKind.EITHER

PAPERS: dict[str, tuple[HolderKind, str, str]] = {
    "business_license": (L, "长期", "名称 统一社会信用代码 类型 法定代表人 注册资本 成立日期 经营范围 住所"),
    "food_operation": (E, "5年", "经营者 社会信用代码 住所 经营场所 主体业态 经营项目 许可证编号"),
    "food_production": (L, "5年", "生产者 生产地址 食品类别 许可证编号"),
    "food_workshop": (E, "3年", "经营者 生产经营地址 生产经营品种"),
    "industrial_product": (L, "5年", "产品名称 生产地址 检验方式"),
    "special_equipment": (L, "长期", "设备种类 登记证编号 使用单位"),
    "special_equipment_worker": (N, "4年", "姓名 作业项目 项目代号 档案编号"),
    "testing_lab": (L, "6年", "名称 资质认定项目"),
    "tobacco_retail": (E, "5年", "企业 经营场所 供货单位 许可范围"),
    "drug_retail": (L, "5年", "企业负责人 质量负责人 经营范围 仓库地址"),
    "medical_device": (L, "5年", "经营方式 经营场所 库房地址 经营范围"),
    "medical_institution": (L, "15年", "登记号 诊疗科目 机构类别 经营性质 主要负责人"),
    "physician_practice": (N, "长期", "执业类别 执业范围 主要执业机构"),
    "physician_qualification": (N, "长期", "类别 级别 证书编码"),
    "nurse_practice": (N, "5年", "执业地点 护士执业编号"),
    "radiation_practice": (L, "长期", "许可项目 放射诊疗设备"),
    "public_place_hygiene": (E, "4年", "单位名称 许可项目 专业类别 有效期限"),
    "health_proof": (N, "1年", "姓名 从业类别 体检日期"),
    "birth_record": (N, "长期", "新生儿姓名 出生时间 母亲姓名 父亲姓名"),
    "teacher_qualification": (N, "长期", "资格种类 任教学科 证书号码"),
    "private_school": (L, "6年", "学校类型 校长 办学内容 有效期限"),
    "school_bus": (L, "1年", "号牌号码 行驶线路 校车驾驶人 核载人数 有效期限"),
    "putonghua_level": (N, "长期", "等级 测试成绩"),
    "micro_loan": (L, "5年", "经营区域 注册资本"),
    "financing_guarantee": (L, "5年", "业务范围"),
    "pawn": (L, "6年", "经营范围"),
    "real_estate": (E, "长期", "权利人 坐落 不动产单元号 面积 用途 使用期限"),
    "real_estate_proof": (E, "长期", "证明权利或事项 权利人 坐落"),
    "tour_guide": (N, "3年", "导游证号 语种 所属机构"),
    "travel_agency": (L, "长期", "许可经营业务 许可证编号"),
    "entertainment": (L, "2年", "场所类型 使用面积 经营范围"),
    "performance": (L, "2年", "经营范围"),
    "internet_culture": (L, "3年", "网站域名 经营范围"),
    "internet_cafe": (L, "长期", "营业面积 核定终端数"),
    "film_projection": (L, "5年", "经营项目 有效期限"),
    "publication": (E, "6年", "经营范围"),
    "risky_sport": (L, "5年", "许可项目 救助人员数量 社会体育指导人员数量"),
    "hotel_special": (L, "长期", "地址 客房数"),
    "driving_license": (N, "10年", "准驾车型 初次领证日期 档案编号"),
    "vehicle_license": (E, "长期", "号牌号码 车辆识别代号 检验有效期至"),
    "road_transport_business": (E, "4年", "经营范围 证号 有效期限"),
    "dangerous_goods_transport": (L, "4年", "经营范围 车辆数"),
    "road_transport_vehicle": (E, "4年", "车辆号牌 车辆类型 吨（座）位"),
    "road_transport_worker": (N, "6年", "从业资格类别 从业资格证号"),
    "ride_hailing_driver": (N, "3年", "从业资格类别"),
    "ride_hailing_vehicle": (E, "8年", "车辆号牌"),
    "taxi_driver": (N, "6年", "服务单位"),
    "residence_permit": (N, "长期", "居住地住址"),
    "marriage": (N, "长期", "持证人 配偶姓名 登记日期 结婚证字号"),
    "divorce": (N, "长期", "持证人 登记日期 离婚证字号"),
    "disability_card": (N, "10年", "残疾类别 残疾等级"),
    "elder_card": (N, "长期", "姓名 出生日期"),
    "veteran_card": (N, "长期", "优待对象类别"),
    "hr_service": (L, "5年", "服务范围"),
    "labour_dispatch": (L, "3年", "许可经营事项 有效期限"),
    "construction_enterprise": (L, "5年", "资质类别及等级 证书编号"),
    "safe_production_construction": (L, "3年", "主要负责人 许可范围"),
    "construction_permit": (L, "长期", "工程名称 建设规模 合同工期 勘察单位 设计单位 施工单位 监理单位"),
    "safety_officer": (N, "3年", "类别 企业名称"),
    "hazardous_chemical": (L, "3年", "许可范围 经营方式 仓储地址"),
    "special_operation": (N, "6年", "作业类别 准操项目 应复审日期"),
    "pollutant_discharge": (L, "5年", "行业类别 有效期限"),
    "hazardous_waste": (L, "5年", "核准经营方式 有效期限"),
    "pesticide_business": (E, "5年", "经营范围"),
    "animal_epidemic": (E, "长期", "单位地址 经营范围"),
    "animal_clinic": (L, "长期", "从业地点 诊疗活动范围"),
}
CHECKED = {
    "medical_institution": "校验", "radiation_practice": "校验", "teacher_qualification": "定期注册",
    "special_operation": "复审", "physician_practice": "定期考核", "vehicle_license": "检验", "pawn": "年审",
    "special_equipment": "定期检验", "residence_permit": "签注", "road_transport_vehicle": "年度审验",
}  # fmt: skip
NUMBER_IS_AN_ID = {"driving_license", "special_operation", "disability_card", "road_transport_worker"}


def test_the_list_covers_every_domain_that_a_city_is_measured_by() -> None:
    assert len(PAPERS) >= 40
    assert set(PAPERS) <= {kind.slug for kind in CATALOG.types}
    assert len({CATALOG.type(slug).domain for slug in PAPERS}) >= 14


@pytest.mark.parametrize("slug", PAPERS)
def test_the_page_has_what_its_paper_has(slug: str) -> None:
    kind = CATALOG.type(slug)
    holder, period, labels = PAPERS[slug]
    printed = [item.label for item in kind.face.items]
    missing = [label for label in labels.split() if not any(text.startswith(label) for text in printed)]
    assert not missing, f"{kind.name}: {printed}"
    assert kind.holder_kind is holder
    assert period in kind.validity.validity_range.split("^")


@pytest.mark.parametrize("kind", [k for k in CATALOG.types if not k.document], ids=lambda kind: kind.slug)
def test_every_type_is_whole(kind: object) -> None:
    """Fields, masks, validity, reminder, holder, seal, plan, matters, retention, scenes: nothing is left out."""
    one = CATALOG.type(kind.slug)  # type: ignore[attr-defined]  # parametrised by types
    assert one.fields
    assert one.scenes
    assert all(scene.fields for scene in one.scenes)
    assert any(scene.audience == "officer" for scene in one.scenes)
    assert one.signature_plan[0].role == "issuer_seal"
    assert one.matters
    assert one.retention_years >= 1
    assert all(CATALOG.authority(code).seal_id for code in [CATALOG.sample(one.slug)["issuer_code"]])
    shown = {item.source for item in one.face.items}
    limited = one.validity.kind is ValidityKind.YEARS
    assert not limited or shown & {"validity", "valid_until"}, "a paper that ends says when"
    assert not limited or one.validity.reminder_days > 0
    assert "number" in shown or one.number.pattern == "{holder_code}"
    if one.holder_kind is HolderKind.PERSON:
        assert one.holder_code_masks.get("show", Mask.NONE) is not Mask.NONE
        assert one.holder_masks.get("show", Mask.NONE) is not Mask.NONE or all(
            scene.audience != "public" for scene in one.scenes
        )


@pytest.mark.parametrize("slug", CHECKED)
def test_a_periodic_check_has_its_own_name_and_words(slug: str) -> None:
    checks = {check.name: check.overdue for check in CATALOG.type(slug).periodic_checks}
    assert CHECKED[slug] in checks
    assert all(words.startswith("逾期") for words in checks.values())


@pytest.mark.parametrize("slug", sorted(NUMBER_IS_AN_ID))
def test_a_number_that_is_an_id_number_is_treated_as_one(slug: str) -> None:
    assert CATALOG.type(slug).number_embeds_id
