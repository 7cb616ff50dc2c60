"""A catalog file is read in the time of its length: keys of many parts are refused before they are parsed."""

from __future__ import annotations

import time
import tomllib

import pytest

from certsvc.catalog import toml_table
from certsvc.catalog.loader import load_catalog
from certsvc.catalog.publication import load_with, read_head, seed_files
from certsvc.catalog.toml_table import MAX_FILE_BYTES, MAX_KEY_PARTS, TomlFile
from certsvc.errors import ConfigurationError

LONG = ".".join(["a"] * (MAX_KEY_PARTS + 1))
ALLOWED = ".".join(["a"] * MAX_KEY_PARTS)
HUGE = ".".join(["a"] * (MAX_FILE_BYTES // 2 - 8))


@pytest.mark.parametrize(
    "text",
    [
        f"{LONG} = 1",
        f"[{LONG}]",
        f"[[ {LONG} ]]",
        LONG.replace(".", " . ") + " = 1",
        LONG.replace("a", "'a'") + " = 1",
        LONG.replace("a", '"."') + " = 1",
        f"x = {{ {LONG} = 1 }}",
        f'x = {{ s = """a"""", {LONG} = 1, t = "b" }}',
        f"x = {{ s = '''a'''', {LONG} = 1, t = 'b' }}",
        f'x = """\\""""\n{LONG} = 1\ny = """b"""',
        f"x = '\\'\n{LONG} = 1 # '",
        f'x = 1 # """\n{LONG} = 1',
        f"{HUGE} = 1",
        f"[{HUGE}]",
    ],
)
def test_a_key_of_too_many_parts_is_refused_at_once(text: str) -> None:
    if len(text) < 1000:
        tomllib.loads(text)  # each of them is TOML, so nothing else refuses it
    begun = time.thread_time()
    with pytest.raises(ConfigurationError, match="以点相连"):
        TomlFile("x.toml", text.encode())
    assert time.thread_time() - begun < 1


@pytest.mark.parametrize(
    "text",
    [
        f"{ALLOWED} = 1",
        f"[{ALLOWED}]",
        f'x = "{LONG}"',
        f"x = '{LONG}'",
        f'x = """\n{LONG}\n"""',
        f'x = """a""\\"{LONG}"""',
        f"x = 1 # {LONG}",
        "x = [" + "1.5, " * 99 + "]",
        "\n".join(f"a.b{n} = 1.5" for n in range(99)),
    ],
)
def test_dots_elsewhere_are_not_counted(text: str) -> None:
    assert TomlFile("x.toml", text.encode()).content == tomllib.loads(text)


@pytest.mark.parametrize("text", ['"""' + '\\"""' * 60_000, '"\\' * 120_000, "'''" * 80_001, "[" + " " * 200_000])
def test_what_never_ends_is_read_once(text: str) -> None:
    begun = time.thread_time()
    with pytest.raises(ConfigurationError):
        TomlFile("x.toml", text.encode())
    assert time.thread_time() - begun < 2


def test_a_refusal_finds_its_line_in_the_time_of_the_file() -> None:
    text = "x = [1,\n[" + " " * 200_000 + "1],\n]\ny = 1\n"
    begun = time.thread_time()
    with pytest.raises(ConfigurationError, match="第 4 行"):
        TomlFile("x.toml", text.encode()).refuse("y", "z")
    assert time.thread_time() - begun < 2


def test_what_is_not_in_effect_is_not_kept() -> None:
    types = seed_files()
    load_with(None, types)
    before = toml_table._kept.cache_info()
    draft = {**types, "tour_guide": types["tour_guide"] + b"\n# a draft\n"}
    read_head("draft", draft["tour_guide"])
    load_with(None, draft, drafts=["tour_guide"])
    assert toml_table._kept.cache_info().misses == before.misses


def test_a_start_parses_each_seed_once() -> None:
    toml_table._kept.cache_clear()
    load_catalog()
    before = toml_table._kept.cache_info()
    for slug, raw in seed_files().items():
        read_head(f"{slug}.toml", raw, keep=True)
    assert before.misses > 0
    assert toml_table._kept.cache_info().misses == before.misses


@pytest.mark.parametrize("slug", ["a" * 300, "ab", "Abc", "_abc", "a" * 41])
def test_a_slug_that_is_no_file_name_is_refused(slug: str) -> None:
    with pytest.raises(ConfigurationError, match="slug"):
        read_head("draft", f'slug = "{slug}"\n'.encode())
