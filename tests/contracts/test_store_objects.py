"""Objects are whole or absent, whatever happens while they are written; in a directory and in an S3 server alike."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from certsvc.errors import IntegrityError, NotFound, Unavailable
from certsvc.store.object_names import NAME
from certsvc.store.objects_dir import DirectoryObjectStore
from certsvc.store.objects_s3 import S3ObjectStore

Store = DirectoryObjectStore | S3ObjectStore

PDF = "application/pdf"
NAME_1 = "originals/ab/abcd.pdf"


@pytest.fixture
def objects(tmp_path: Path) -> DirectoryObjectStore:
    return DirectoryObjectStore(tmp_path / "deep" / "objects")


@pytest.fixture(params=["directory", "s3"])
def either(request: pytest.FixtureRequest) -> Store:
    """An empty store, once per kind."""
    store: Store = request.getfixturevalue("objects" if request.param == "directory" else "s3_objects")
    return store


def test_what_was_put_comes_back_byte_for_byte(either: Store) -> None:
    data = bytes(range(256)) * 1000
    either.put(NAME_1, data, content_type=PDF)
    either.put("empty", b"", content_type=PDF)
    assert either.get(NAME_1) == data
    assert either.get("empty") == b""


def test_a_name_that_was_never_put_is_not_found(either: Store) -> None:
    either.put(NAME_1, b"x", content_type=PDF)
    for name in ("originals/ab/other.pdf", "originals", "originals/ab/abcd.pdf/below"):
        with pytest.raises(NotFound):
            either.get(name)


def test_the_same_bytes_may_be_put_again_and_other_bytes_never_replace_them(either: Store) -> None:
    either.put(NAME_1, b"first", content_type=PDF)
    either.put(NAME_1, b"first", content_type=PDF)
    with pytest.raises(IntegrityError):
        either.put(NAME_1, b"second", content_type=PDF)
    assert either.get(NAME_1) == b"first"


def test_of_twenty_writers_with_other_bytes_exactly_one_wins_and_its_bytes_stay(either: Store) -> None:
    def put(n: int) -> bool:
        try:
            either.put(NAME_1, bytes([n]) * 100_000, content_type=PDF)
        except IntegrityError:
            return False
        return True

    with ThreadPoolExecutor(20) as pool:
        won = [n for n, took in enumerate(pool.map(put, range(20))) if took]
    assert len(won) == 1
    assert either.get(NAME_1) == bytes([won[0]]) * 100_000


def test_a_deleted_object_is_gone_and_deleting_again_does_nothing(either: Store) -> None:
    either.put(NAME_1, b"x", content_type=PDF)
    either.delete(NAME_1)
    either.delete(NAME_1)
    either.delete("originals/none/none.pdf")
    with pytest.raises(NotFound):
        either.get(NAME_1)
    assert either.names("") == ()


def test_names_are_listed_alike(either: Store) -> None:
    for name in ("b/2", "a/1", "a/10", "b/1", "ab", "a/1.d/x"):
        either.put(name, b"x", content_type=PDF)
    assert either.names("") == ("a/1", "a/1.d/x", "a/10", "ab", "b/1", "b/2")
    assert either.names("a/1") == ("a/1", "a/1.d/x", "a/10")
    assert either.names("none/") == ()
    now = datetime.now(UTC)
    assert either.names("b/", before=now - timedelta(minutes=1)) == ()
    assert either.names("b/", before=now + timedelta(minutes=1)) == ("b/1", "b/2")


@pytest.mark.parametrize("name", ["../x", "a/../../x", "", "a//b", "a b", "a\n", "é"], ids=ascii)
def test_other_names_are_refused_alike(either: Store, name: str) -> None:
    for ask in (
        lambda: either.put(name, b"x", content_type=PDF),
        lambda: either.get(name),
        lambda: either.delete(name),
    ):
        with pytest.raises(RuntimeError):
            ask()


def test_names_are_listed_by_prefix_sorted_and_without_unfinished_files(
    objects: DirectoryObjectStore, tmp_path: Path
) -> None:
    for name in ("b/2", "a/1", "a/10", "b/1", "ab", "a/1.d/x"):
        objects.put(name, b"x", content_type=PDF)
    (tmp_path / "deep" / "objects" / ".incoming" / "unfinished").write_bytes(b"half")
    assert objects.names("") == ("a/1", "a/1.d/x", "a/10", "ab", "b/1", "b/2")
    assert objects.names("a") == ("a/1", "a/1.d/x", "a/10", "ab")
    assert objects.names("a/1") == ("a/1", "a/1.d/x", "a/10")
    assert objects.names("b/") == ("b/1", "b/2")
    assert objects.names("none/") == ()


def test_names_may_be_limited_to_what_was_last_written_before_a_moment(
    objects: DirectoryObjectStore, tmp_path: Path
) -> None:
    for name in ("a/old", "a/new"):
        objects.put(name, b"x", content_type=PDF)
    moment = datetime(2026, 3, 2, tzinfo=UTC)
    for name, seconds in (("a/old", -1), ("a/new", 0)):
        at = (moment + timedelta(seconds=seconds)).timestamp()
        os.utime(tmp_path / "deep" / "objects" / name, (at, at))
    assert objects.names("a/", before=moment) == ("a/old",)
    with pytest.raises(RuntimeError, match="naive"):
        objects.names("a/", before=moment.replace(tzinfo=None))


TRAVERSALS = [
    "../x", "a/../../x", "/etc/passwd", "a//b", ".", "..", "", "a/", ".incoming/x", "a/.hidden", "a\\..\\b", "a\0b",
    "a b", "é", "a/./b", "%2e%2e/x", "a\n", "x" * 129, "/".join("abcdefghi"), "C:x",
]  # fmt: skip


@pytest.mark.parametrize("name", TRAVERSALS, ids=ascii)
def test_a_name_that_is_not_ours_is_refused_by_every_operation(
    objects: DirectoryObjectStore, tmp_path: Path, name: str
) -> None:
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(RuntimeError):
        objects.put(name, b"x", content_type=PDF)
    with pytest.raises(RuntimeError):
        objects.get(name)
    with pytest.raises(RuntimeError):
        objects.delete(name)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("prefix", ["../", "/", "a/../", ".incoming/", "a//", "é"])
def test_a_prefix_that_is_not_ours_is_refused(objects: DirectoryObjectStore, prefix: str) -> None:
    with pytest.raises(RuntimeError):
        objects.names(prefix)


@given(st.text(alphabet="ab./\\\0-_~\n", max_size=12) | st.from_regex(NAME, fullmatch=True))
@example("a/../b")
@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_a_name_is_refused_or_stays_below_the_root(tmp_path: Path, name: str) -> None:
    root = tmp_path / "objects"
    objects = DirectoryObjectStore(root)
    try:
        objects.put(name, name.encode(), content_type=PDF)
    except RuntimeError:
        return
    except (Unavailable, IntegrityError):
        return  # another example made a directory of this name, or a file of its parent
    assert os.path.realpath(root / name).startswith(str(root.resolve()) + "/")
    assert name in objects.names("")
    objects.delete(name)


def test_a_full_disk_is_unavailable_and_leaves_nothing_visible(tmp_path: Path) -> None:
    """``RLIMIT_FSIZE`` in a child process stands in for the full disk: the kernel refuses the write."""
    script = (
        "import resource, signal, sys; sys.path.insert(0, sys.argv[2])\n"
        "from pathlib import Path\n"
        "from certsvc.errors import Unavailable\n"
        "from certsvc.store.objects_dir import DirectoryObjectStore\n"
        "store = DirectoryObjectStore(Path(sys.argv[1]))\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n    store.put('a/b', b'x' * 5000, content_type='')\n"
        "except Unavailable:\n    store.put('a/c', b'y', content_type=''); print('unavailable')\n"
    )
    root = tmp_path / "full"
    arguments = [sys.executable, "-c", script, str(root), str(Path(__file__).resolve().parents[2])]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert done.stdout == "unavailable\n"
    assert DirectoryObjectStore(root).names("") == ("a/c",)
    assert list((root / ".incoming").iterdir()) == []


WRITER = """
import sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from certsvc.store.objects_dir import DirectoryObjectStore
store = DirectoryObjectStore(Path(sys.argv[1]))
for n in range(1_000_000):
    store.put(f"o/{n % 7}/{sys.argv[3]}-{n}", str(n).encode() * 50_000, content_type="")
    print(n, flush=True)
"""


def test_a_kill_leaves_only_whole_objects_and_sweepable_leftovers(tmp_path: Path, repo_root: Path) -> None:
    root = tmp_path / "objects"
    acknowledged: set[str] = set()
    for round_no in range(5):
        arguments = [sys.executable, "-c", WRITER, str(root), str(repo_root), str(round_no)]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(10 + 7 * round_no)]
            os.kill(process.pid, signal.SIGKILL)
            lines += [line for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
        acknowledged |= {f"o/{int(n) % 7}/{round_no}-{int(n)}" for n in lines}
    objects = DirectoryObjectStore(root)
    names = objects.names("")
    assert acknowledged <= set(names)
    for name in names:
        n = name.rpartition("-")[2]
        assert objects.get(name) == n.encode() * 50_000
    assert objects.sweep_incoming(before=datetime(2000, 1, 1, tzinfo=UTC)) == 0
    leftovers = len(list((root / ".incoming").iterdir()))
    assert objects.sweep_incoming(before=datetime.now(UTC) + timedelta(days=1)) == leftovers
    assert list((root / ".incoming").iterdir()) == []
    assert objects.names("") == names


def test_an_object_cannot_be_reached_through_its_unfinished_file(objects: DirectoryObjectStore, tmp_path: Path) -> None:
    """Sweeping unlinks the temporary name only: the object keeps its own link to the bytes."""
    objects.put(NAME_1, b"x", content_type=PDF)
    path = tmp_path / "deep" / "objects" / NAME_1
    assert path.stat().st_nlink == 1
    assert path.stat().st_mode & 0o077 == 0, "nobody else on the machine may read a license"
