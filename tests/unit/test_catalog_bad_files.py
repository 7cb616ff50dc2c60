# ruff: noqa: E501 - a table of spoilt files reads as a table
"""A bad catalog file is refused with its name, line, key and reason."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from certsvc.catalog.loader import SEED_DIRECTORY, load_catalog
from certsvc.errors import ConfigurationError

FOOD = "types/food_operation.toml"
ROAD = "types/road_transport_worker.toml"
BUSINESS = "types/business_license.toml"


def copy_of_the_seed(tmp_path: Path) -> Path:
    """A catalog directory that a test may spoil."""
    directory = tmp_path / "catalog"
    shutil.copytree(SEED_DIRECTORY, directory, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return directory


def spoil(directory: Path, name: str, old: str, new: str) -> int:
    """Replace ``old`` once; returns the line where it stood."""
    path = directory / name
    text = path.read_text("utf-8")
    assert old in text, f"{name} does not hold {old!r}"
    path.write_text(text.replace(old, new, 1), "utf-8")
    return text[: text.index(old)].count("\n") + 1


ISSUERS = next(line for line in (SEED_DIRECTORY / FOOD).read_text("utf-8").splitlines() if line.startswith("issuers"))
DRIVING = "types/driving_license.toml"
NOTICE = "types/acceptance_notice.toml"

BAD = {
    "unknown key": (FOOD, 'domain = "市场监管"', 'domain = "市场监管"\ncolour = "red"', "colour", "未知的键"),
    "unknown key of a field": (FOOD, 'key = "premises", ', 'key = "premises", size = 3, ', "fields[2].size", "未知的键"),
    "missing key": (FOOD, 'domain = "市场监管"\n', "", "domain", "缺少此键"),
    "wrong kind": (FOOD, "photo = false", 'photo = "no"', "photo", "true 或 false"),
    "syntax": (FOOD, "photo = false", "photo = ", "food_operation.toml", "语法"),
    "blank at the end": (FOOD, 'domain = "市场监管"', 'domain = "市场监管 "', "domain", "空白"),
    "slug of another file": (FOOD, 'slug = "food_operation"', 'slug = "food_two"', "slug", "文件名"),
    "definer unknown": (FOOD, '"11990000MB0000019F002"', '"11100000000013338W002"', "type_code", "定义机构"),
    "type code of another type": (FOOD, '"11990000MB0000019F002"', '"11990000MB0000019F001"', "type_code", "重复"),
    "never issued": (FOOD, 'name = "食品经营许可证"', 'name = "居民身份证"', "name", "不在本系统签发"),
    "issuer unknown": (FOOD, '"11990100MB00010113", ', '"11100000000013338W", ', "issuers", "不在 authorities.toml"),
    "no issuer": (FOOD, ISSUERS, "issuers = []", "issuers", "至少"),
    "matter unknown": (FOOD, '"11990000MB0000019F2990131002003"]', '"11990000MB0000019F2990131009009"]', "matters", "不在"),
    "holder code type unknown": (FOOD, '["001", "111"]', '["001", "112"]', "holder_code_types", "附录 A"),
    "holder code type of a person": (BUSINESS, 'types = ["001"]', 'types = ["111"]', "holder_code_types", "不符"),
    "no mask for a person's code": (FOOD, 'show = "code_tail"', 'show = "none"', "holder_code_masks", "必须遮盖"),
    "unknown place of a mask": (FOOD, 'face = "id_birth"', 'paper = "id_birth"', "paper", "不是可用的场合"),
    "unknown mask": (FOOD, 'face = "id_birth"', 'face = "stars"', "face", "不在可选值"),
    "field twice": (FOOD, 'key = "premises"', 'key = "residence"', "fields[2].key", "重复"),
    "element twice": (FOOD, 'element = "KZ_JYCS"', 'element = "KZ_ZS"', "fields[2].element", "重复"),
    "element of another form": (FOOD, 'element = "KZ_JYCS"', 'element = "jycs"', "fields[2].element", "GB/T 36903"),
    "choice without choices": (FOOD, ', choices = ["食品销售经营者", "餐饮服务经营者", "集中用餐单位食堂"]', "", "choices", "选项"),
    "choices without choice": (FOOD, 'kind = "text", required', 'kind = "text", choices = ["a"], required', "choices", "选项"),
    "choice longer than allowed": (FOOD, "max_length = 20, choices", "max_length = 5, choices", "max_length", "选项"),
    "endless field": (FOOD, "max_length = 400", "max_length = 4000", "max_length", "1 至 2000"),
    "scene of an unknown field": (FOOD, '"premises", "business_form", "business_items", "valid_until"], unmasked', '"cellar"], unmasked', "scenes[1].fields", "cellar"),
    "scene twice": (FOOD, 'code = "shop_display"', 'code = "catering_inspection"', "scenes[2].code", "重复"),
    "public scene without masks": (FOOD, '"public", fields = ["holder_name", "number", "premises", "business_form", "business_items", "valid_until"], unmasked = []', '"public", fields = ["holder_name"], unmasked = ["holder_name"]', "scenes[2].unmasked", "公众"),
    "unmasked beyond the scene": (FOOD, '["holder_code", "residence"]', '["signer"]', "scenes[0].unmasked", "signer"),
    "photo scene without photo": (FOOD, "photo = false },\n]", "photo = true },\n]", "scenes[2].photo", "没有照片"),
    "audience unknown": (FOOD, 'audience = "clerk"', 'audience = "police"', "scenes[1].audience", "police"),
    "years missing": (FOOD, "years = 5", "years = 0", "validity.years", "大于 0"),
    "pattern unknown": (FOOD, "{seq:6}", "{serial}", "number.pattern", "占位符"),
    "pattern without check": (FOOD, "{check}", "", "number.pattern", "check"),
    "pattern of an unknown choice": (FOOD, "{choice:business_form}", "{choice:premises}", "number.pattern", "premises"),
    "number with an id that we make": (FOOD, "embeds_id = false", "embeds_id = true", "number.embeds_id", "given"),
    "given number with a pattern": (ROAD, '"{holder_code}"', '"{year}{seq:4}"', "number.pattern", "给定"),
    "one seal that allows changes": (FOOD, "docmdp = 1", "docmdp = 2", "docmdp", "1"),
    "source unknown": (FOOD, '"field:signer"', '"field:cook"', "face.items[11].source", "field:cook"),
    "photo place without photo": (FOOD, "code = [24, 147, 30, 30]", "code = [24, 147, 30, 30]\nphoto = [1, 1, 33, 45]", "face.photo", "没有照片"),
    "no photo place": (ROAD, "photo = [152, 60, 33, 45]\n", "", "face.photo", "必须给出"),
    "boxes overlap": (FOOD, "[73, 94.8, 87, 11.5]", "[73, 90, 87, 11.5]", "face.items[2]", "重叠"),
    "label under a value": (FOOD, "label_x = 164, label_w = 33, size = 11,", "label_x = 150, label_w = 33, size = 11,", "face.items[2]", "重叠"),
    "box under the stamp": (FOOD, "[73, 135.7, 112, 42.3]", "[73, 135.7, 160, 42.3]", "face.items[6]", "重叠"),
    "box over the code": (FOOD, "[24, 147, 30, 30]", "[70, 147, 30, 30]", "face.items[6]", "code"),
    "caption of the code over the notes": ("types/drug_retail.toml", "code = [24, 143.5, 30, 30]", "code = [24, 147, 30, 30]", "face.code", "扫码核验"),
    "box out of the page": (FOOD, "[199, 57, 75, 11.5]", "[199, 57, 95, 11.5]", "face.items[7]", "超出版心"),
    "box in the title": (FOOD, "[199, 57, 75, 11.5]", "[199, 40, 75, 11.5]", "face.items[7]", "标题"),
    "stamp beside the date": (FOOD, "stamp = [215, 136, 42, 42]", "stamp = [200, 136, 42, 42]", "face.stamp", "成文日期"),
    "stamp of another size": (FOOD, "stamp = [215, 136, 42, 42]", "stamp = [216, 137, 40, 40]", "face.stamp", "42 x 42"),
    "print too small": (FOOD, "min_size = 7", "min_size = 5", "face.items[0].min_size", "7 至 36"),
    "box too small for its field": (FOOD, "max_length = 400", "max_length = 900", "face.items[6]", "最长可达 900"),
    "label too long": (FOOD, 'label = "签发人"', 'label = "本许可证的签发负责人姓名"', "face.items[11].label_w", "放不下"),
    "accent is no colour": (FOOD, '"#2E6E8E"', '"blue"', "face.accent", "#RRGGBB"),
    "sample without a field": (FOOD, 'signer = "李示例"\n', "", "sample.data.signer", "必填"),
    "sample with a wrong code": (FOOD, '"91990000MA0000015Q"', '"91990000MA0000015R"', "sample", "校验位"),
    "sample of another issuer": (FOOD, 'issuer_code = "11990000MB0000019F"', 'issuer_code = "11990000MB0000027A"', "sample.issuer_code", "颁发机构"),
    "sample of the wrong sex": (ROAD, 'sex = "男"\nbirth', 'sex = "女"\nbirth', "sample.data.sex", "填错人"),
    "sample that ends before it begins": (FOOD, '"2030-12-31"', '"2020-12-31"', "sample.valid_until", "早于"),
    "sample with one date of three": (FOOD, 'issued_on = "2026-01-01"', 'issued_on = ""', "sample", "日期"),
    "sample of today without a length": (BUSINESS, 'issued_on = "2026-01-01"\nvalid_from = "2026-01-01"', 'issued_on = ""\nvalid_from = ""', "sample.issued_on", "固定年限"),
    "sample with a number that we make": (FOOD, 'number = ""', 'number = "1"', "sample.number", "应为空"),
    "matter of a stranger": ("matters.toml", '"11990000MB0000086D2992099001001"', '"11100000000013338W2992099001001"', "code", "实施主体"),
    "matter with a wrong code": ("matters.toml", '"11990000MB0000086D2992099001001"', '"11990000MB0000086D299"', "code", "31 位"),
    "matter twice": ("matters.toml", "11990000MB0000086D2992099002001", "11990000MB0000086D2992099001001", "code", "重复"),
    "matter with an unknown type": ("matters.toml", "tour_guide = [", "guide = [", "guide", "不存在"),
    "matter with an unknown field": ("matters.toml", '"level", "languages"', '"level", "songs"', "tour_guide", "songs"),
    "matter with an unknown basis": ("matters.toml", '["duty"]', '["habit"]', "bases", "habit"),
    "matter without a basis": ("matters.toml", 'bases = ["duty"]', "bases = []", "bases", "依据"),
    "authority with a wrong code": ("authorities.toml", '"11990100MB00010113"', '"11990100MB00010114"', "code", "校验位"),
    "authority twice": ("authorities.toml", 'code = "11990000MB0000027A"', 'code = "11990000MB0000019F"', "code", "重复"),
    "seal of two authorities": ("authorities.toml", "seal_11990000MB0000027A", "seal_11990000MB0000019F", "seal_id", "两个机构"),
    "authority with an unknown superior": ("authorities.toml", 'superior = "11990000MB0000019F"', 'superior = "11100000000013338W"', "superior", "不在 authorities.toml"),
    "authority under an equal": ("authorities.toml", 'superior = "11990000MB0000027A"', 'superior = "11990100MB00010113"', "superior", "级别更高"),
    "authority with another seal name": ("authorities.toml", 'seal_name = "业务专用章"', 'seal_name = "合同专用章"', "seal_name", "不在可选值"),
    "authority of the same name": ("authorities.toml", "示例市教育局", "示例市市场监督管理局", "name", "重复"),
    "further seal without a first": ("authorities.toml", 'seal_id = "seal_11990100MB0001142Y"', 'seal_id = ""', "seal_id", "seal_id"),
    "category unknown": (DRIVING, 'category = "card"', 'category = "paper"', "category", "不在可选值"),
    "level unknown": (FOOD, "level = 2", "level = 6", "level", "1 至 5"),
    "seal that licenses never bear": (DRIVING, 'seals = ["业务专用章"]', 'seals = ["财务专用章"]', "seals", "不是可用的印章"),
    "seal that an issuer has not": (DRIVING, 'seals = ["业务专用章"]', 'seals = ["法定名称章"]', "seals", "没有本类型要求的印章"),
    "document that could be shown": (NOTICE, "issuers = [", 'scenes = [\n  { code = "x", name = "x", audience = "officer", fields = ["number"], unmasked = [], photo = false },\n]\nissuers = [', "scenes", "文书"),
    "document that claims to be a license": (NOTICE, 'category = "material"\n', "", "category", "批文"),
    "overdue word without 逾期": (DRIVING, '"逾期未审验"', '"未审验"', "overdue", "逾期"),
    "check without an interval": (DRIVING, "months = 24", "months = 0", "months", "1 至 120"),
    "card before detention not said": (DRIVING, "card_before_detention = true\n", "", "card_before_detention", "缺少此键"),
    "stock that ends before it begins": (DRIVING, "last_year = 2025", "last_year = 1999", "last_year", "早于"),
    "law unknown": (FOOD, '"food_operation_rules"]', '"moon_law"]', "laws", "moon_law"),
    "law twice": ("laws.toml", 'title = "中华人民共和国药品管理法"', 'title = "中华人民共和国食品安全法"', "laws", "重复"),
    "type that depends on itself": (FOOD, 'depends_on = ["business_license"]', 'depends_on = ["food_operation"]', "depends_on", "环"),
    "types that depend on each other": (BUSINESS, "satisfies = [", 'depends_on = ["food_operation"]\nsatisfies = [', "depends_on", "环"),
    "type that depends on nothing known": (FOOD, 'depends_on = ["business_license"]', 'depends_on = ["cellar"]', "depends_on", "cellar"),
    "filing absorbed twice": (BUSINESS, 'code = "tax_registration"', 'code = "organisation_code"', "satisfies[1].code", "重复"),
    "source of an unknown type": ("sources.toml", '"food_production"', '"snuff"', "types", "snuff"),
    "source of a document": ("sources.toml", '"food_production"', '"acceptance_notice"', "types", "文书"),
    "source of nothing": ("sources.toml", '["driving_license"]', "[]", "types", "至少"),
    "source twice": ("sources.toml", 'id = "national_traffic"', 'id = "national_market"', "id", "重复"),
    "source run by a mistyped body": ("sources.toml", "11990000MB0003025R", "11990000MB0003025Q", "authority_code", "校验位"),
    "bundle of an unknown type": ("bundles.toml", '"tobacco_retail", "publication"', '"snuff"', "optional", "snuff"),
    "bundle with a document": ("bundles.toml", '"tobacco_retail", "publication"', '"acceptance_notice"', "optional", "acceptance_notice"),
    "bundle of one": ("bundles.toml", 'required = ["business_license", "publication"]\noptional = ["food_operation"]', 'required = ["business_license"]\noptional = []', "required", "至少"),
    "bundle that both needs and may": ("bundles.toml", '"tobacco_retail", "publication"', '"food_operation"', "optional", "必需"),
    "bundle of an unknown matter": ("bundles.toml", 'matter_code = "11990000MB0000086D2992099001001"', 'matter_code = "11990000MB0000086D2992099001009"', "matter_code", "不在 matters.toml"),
    "several periods of a fixed type": (FOOD, "reminder_days = 30", 'reminder_days = 30\nranges = ["5年"]', "ranges", "given"),
    "period in words": (DRIVING, '"6年", "10年"', '"六年"', "ranges", "5年"),
    "duty of a notary": ("matters.toml", 'name = "公证事项（企业资格、委托）"\nbases = ["consent"]', 'name = "公证事项（企业资格、委托）"\nbases = ["consent", "duty"]', "bases", "只能凭持证人授权"),
    "body of no known kind": ("authorities.toml", 'kind = "notary"', 'kind = "shop"', "kind", "notary"),
    "authority without region": ("authorities.toml", 'region = "990100"', 'region = "99"', "region", "6 位"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "key", "reason"), BAD.values(), ids=BAD.keys())
def test_a_bad_file_is_refused_with_file_key_and_reason(
    tmp_path: Path, name: str, old: str, new: str, key: str, reason: str
) -> None:
    directory = copy_of_the_seed(tmp_path)
    spoil(directory, name, old, new)
    with pytest.raises(ConfigurationError) as caught:
        load_catalog(directory)
    detail = caught.value.detail
    assert Path(name).name in detail
    assert key in detail
    assert reason in detail


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        (FOOD, 'kind = "years"', 'kind = "ages"'),
        (FOOD, '"field:signer"', '"field:cook"'),
        (FOOD, 'key = "premises"', 'key = "residence"'),
        (FOOD, "stamp = [215, 136, 42, 42]", "stamp = [200, 136, 42, 42]"),
        ("matters.toml", '"level", "languages"', '"level", "songs"'),
        ("authorities.toml", 'region = "990100"', 'region = "99"'),
    ],
)
def test_a_refusal_names_the_line(tmp_path: Path, name: str, old: str, new: str) -> None:
    directory = copy_of_the_seed(tmp_path)
    line = spoil(directory, name, old, new)
    with pytest.raises(ConfigurationError) as caught:
        load_catalog(directory)
    assert re.search(rf"第 {line} 行", caught.value.detail), caught.value.detail


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("authorities.toml", None, "无法读取"),
        ("matters.toml", b"\xff\xfe", "UTF-8"),
        (FOOD, b"#" * (256 * 1024 + 1), "KiB"),
        (FOOD, b"a = " + b"[" * 100_000, "语法"),
        (FOOD, b"", "slug"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str, content: bytes | None, reason: str) -> None:
    directory = copy_of_the_seed(tmp_path)
    if content is None:
        (directory / name).unlink()
    else:
        (directory / name).write_bytes(content)
    with pytest.raises(ConfigurationError, match=reason):
        load_catalog(directory)


def test_a_directory_without_types_is_refused(tmp_path: Path) -> None:
    directory = copy_of_the_seed(tmp_path)
    shutil.rmtree(directory / "types")
    with pytest.raises(ConfigurationError, match="1 至 500"):
        load_catalog(directory)


def test_any_changed_byte_changes_the_digest_of_the_catalog(tmp_path: Path) -> None:
    directory = copy_of_the_seed(tmp_path)
    before = load_catalog(directory).digest
    assert before == load_catalog().digest
    spoil(directory, "matters.toml", "食品经营监督检查", "食品经营日常监督检查")
    assert load_catalog(directory).digest != before
