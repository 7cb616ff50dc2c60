"""独立验证程序：验证留痕日志的检查点、证明和证据包 · verifies checkpoints, proofs and evidence bundles.

Needs Python 3.9 or later and nothing else: no network, no other package, none of the service's code. RFC 9162 §2.1
hashing, C2SP tlog-checkpoint notes under ECDSA P-256 keys. Where openssl is installed, timestamps are checked by it.

    python verify.py FILE.zip --key KEY
    python verify.py checkpoint CHECKPOINT --key KEY
    python verify.py inclusion PROOF.json --leaf LEAF --checkpoint CHECKPOINT --key KEY
    python verify.py consistency PROOF.json --old CHECKPOINT --new CHECKPOINT --key KEY

KEY is the verifier key that you got from the authority itself (``/v1/log/keys``, a gazette), not out of the bundle.
Exit code: 0 everything that was checked holds, 1 something does not, 3 wrong usage.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

if TYPE_CHECKING:
    Point = Optional[tuple[int, int]]
    Key = tuple[str, bytes, bytes]

MAX_FILE, MAX_PATH, COMMANDS = 256 * 1024 * 1024, 64, ("bundle", "checkpoint", "inclusion", "consistency")
BYTE_RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d{1,10})\s+(\d{1,10})\s+(\d{1,10})\s+(\d{1,10})\s*\]")


class Fails(Exception):
    """What was checked does not hold."""


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def check_inclusion(index: int, size: int, hashed: bytes, path: list[bytes], root: bytes) -> None:
    if not 0 <= index < size:
        raise Fails("序号不在日志之内")
    fn, sn, r = index, size - 1, hashed
    for p in path:
        if sn == 0:
            raise Fails("包含证明过长")
        if fn & 1 or fn == sn:
            r = sha256(b"\x01" + p + r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = sha256(b"\x01" + r + p)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0 or r != root:
        raise Fails("包含证明与检查点的根不符")


def check_consistency(old: int, new: int, old_root: bytes, new_root: bytes, path: list[bytes]) -> None:
    if not 0 < old <= new:
        raise Fails("规模有误")
    if old == new:
        if path or old_root != new_root:
            raise Fails("同一规模有两个根：日志分叉")
        return
    steps = ([old_root] if old & (old - 1) == 0 else []) + path
    if not steps:
        raise Fails("一致性证明为空")
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = steps[0]
    for c in steps[1:]:
        if sn == 0:
            raise Fails("一致性证明过长")
        if fn & 1 or fn == sn:
            fr, sr = sha256(b"\x01" + c + fr), sha256(b"\x01" + c + sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = sha256(b"\x01" + sr + c)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0 or fr != old_root or sr != new_root:
        raise Fails("后来的日志不以先前的为开头")


P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
GX = 0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296
GY = 0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5
SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")


def add(one: Point, other: Point) -> Point:
    if one is None or other is None:
        return one or other
    (x1, y1), (x2, y2) = one, other
    if x1 == x2:
        if (y1 + y2) % P == 0:
            return None
        slope = (3 * x1 * x1 - 3) * pow(2 * y1, -1, P)
    else:
        slope = (y2 - y1) * pow(x2 - x1, -1, P)
    x3 = (slope * slope - x1 - x2) % P
    return x3, (slope * (x1 - x3) - y1) % P


def times(scalar: int, point: Point) -> Point:
    total: Point = None
    while scalar:
        if scalar & 1:
            total = add(total, point)
        point = add(point, point)
        scalar >>= 1
    return total


def integers(der: bytes) -> tuple[int, int]:
    half = 4 + der[3] if len(der) > 8 else 0
    if not half or der[:3] != bytes([0x30, len(der) - 2, 2]) or der[half : half + 2] != bytes([2, len(der) - half - 2]):
        raise Fails("签名格式有误")
    return int.from_bytes(der[4:half], "big"), int.from_bytes(der[half + 2 :], "big")


def ecdsa_holds(spki: bytes, signature: bytes, data: bytes) -> bool:
    if len(spki) != len(SPKI) + 64 or not spki.startswith(SPKI):
        raise Fails("公钥不是 P-256")
    x, y = (int.from_bytes(spki[at : at + 32], "big") for at in (len(SPKI), len(SPKI) + 32))
    if x >= P or y >= P or (y * y - x * x * x + 3 * x - B) % P:
        raise Fails("公钥不在曲线上")
    r, s = integers(signature)
    if not (0 < r < N and 0 < s < N):
        return False
    w, e = pow(s, -1, N), int.from_bytes(sha256(data), "big")
    point = add(times(e * w % N, (GX, GY)), times(r * w % N, (x, y)))
    return point is not None and point[0] % N == r


def read_key(text: str) -> Key:
    try:
        name, key_id, data = text.strip().split("+", 2)
        raw = base64.b64decode(data, validate=True)
        hashed = bytes.fromhex(key_id)
    except ValueError:
        raise Fails("公钥格式有误，应为 名称+编号+公钥") from None
    if raw[:1] != b"\x02" or sha256(raw[1:])[:4] != hashed:
        raise Fails("公钥的类型或编号不符")
    return name, hashed, raw[1:]


def open_note(note: str, keys: list[Key]) -> list[str]:
    """The lines of a note (C2SP signed-note) that one of the keys signed; the first is the name of the log."""
    body, found, lines = note.rpartition("\n\n")
    parts, signed = body.split("\n"), 0
    if not found or len(parts) < 3:
        raise Fails("不是签名的检查点或清单")
    for line in lines.splitlines():
        dash, _, rest = line.partition(" ")
        name, _, blob = rest.partition(" ")
        data = base64.b64decode(blob, validate=True)
        for key_name, key_id, spki in keys:
            if dash == "\u2014" and (name, data[:4]) == (key_name, key_id):
                if key_name != parts[0] or not ecdsa_holds(spki, data[4:], (body + "\n").encode()):
                    raise Fails("检查点或清单的签名不符")
                signed += 1
    if not signed:
        raise Fails("检查点或清单没有所给公钥的签名")
    return parts


def open_checkpoint(note: str, keys: list[Key], stated: object = ()) -> tuple[int, bytes]:
    _, size, root, *_ = open_note(note, keys)
    if not re.fullmatch("0|[1-9][0-9]{0,18}", size) or stated not in ((), int(size)):
        raise Fails("检查点的规模有误，或与清单所称的不符")
    return int(size), base64.b64decode(root, validate=True)


def check_leaf(one: dict[str, Any], size: int, root: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    leaf = base64.b64decode(one["leaf"], validate=True)
    path = [base64.b64decode(step, validate=True) for step in one["path"]][:MAX_PATH]
    check_inclusion(whole(one["index"]), size, sha256(b"\x00" + leaf), path, root)
    stated = json.loads(leaf)
    salt, details = bytes.fromhex(one["salt"]), base64.b64decode(one["details"], validate=True)
    said = json.loads(details)
    subject, actor = (json.dumps(said.get(name), ensure_ascii=False).encode() for name in ("subject", "actor"))
    begin, end, digests = b"{", b'"subject":' + subject + b"}", {"subject": said["subject"].encode()}
    if "actor" in said:
        begin, digests["actor"] = b'{"actor":' + actor + b",", said["actor"].encode()
    if "content" in said:
        begin, end = begin + b'"content":', b"," + end
        digests["content"] = details[len(begin) : -len(end)]
    content = json.loads(digests.get("content", b"null"))
    if details != begin + digests.get("content", b"") + end or content != said.get("content"):
        raise Fails("详情不是规范的写法")
    if content is None and stated["kind"].startswith("license."):
        raise Fails("颁发、办理的留痕没有内容")
    for name, value in digests.items():
        if hashlib.sha256(salt + value).hexdigest() != stated[name]:
            raise Fails("详情与叶不符：" + name)
    if stated["kind"] != one["kind"] or stated["v"] != 1:
        raise Fails("种类与叶不符")
    return stated, said


def whole(value: object) -> int:
    if type(value) is not int:
        raise Fails("序号或规模不是整数")
    return value


OIDS = {"sha%d" % (128 + 128 * end): "60864801650304020%d" % end for end in (1, 2, 3)} | {"sm3": "2a811ccf550183"}


def covered_digests(pdf: bytes) -> list[dict[str, bytes]]:
    known = OIDS.keys() & hashlib.algorithms_available
    places = [[int(one) for one in match.groups()] for match in BYTE_RANGE.finditer(pdf)]
    return [{one: hashlib.new(one, pdf[a : a + b] + pdf[c : c + d]).digest() for one in known} for a, b, c, d in places]


class Report:
    good = True

    def done(self, what: str) -> None:
        print("通过    " + what)

    def bad(self, what: str) -> None:
        self.good = False
        print("不通过  " + what)

    def skipped(self, what: str) -> None:
        print("未核对  " + what)


def check_bundle(path: Path, keys: list[Key], tsa_ca: Optional[Path], report: Report) -> None:
    with zipfile.ZipFile(path) as archive:
        if sum(info.file_size for info in archive.infolist()) > MAX_FILE:
            raise Fails("证据包过大")
        files = {info.filename: archive.read(info) for info in archive.infolist()}
        if len(files) != len(archive.infolist()):
            raise Fails("证据包中有同名的文件")
    manifest, note = files.pop("bundle.json"), files.pop("bundle.note", b"")
    bundle = json.loads(manifest)
    if bundle["format"] != "certsvc-evidence/2":
        raise Fails("不认识的格式：较早的证据包没有签名，请重新取")
    if set(files) != set(bundle["files"]):
        raise Fails("文件与清单不符：" + "、".join(sorted(set(files) ^ set(bundle["files"]))))
    for name, digest in bundle["files"].items():
        if hashlib.sha256(files[name]).hexdigest() != digest:
            raise Fails("文件与清单的摘要不符：" + name)
    if not keys:
        report.skipped("公钥取自证据包本身，请以 --key 给出从机关另行取得的公钥")
        keys = [read_key(one) for one in bundle["verifier_keys"]]
    if open_note(note.decode(), keys)[1:3] != ["certsvc-evidence", sha256(manifest).hex()]:
        raise Fails("清单与服务的签名不符：有内容被增删或改动")
    report.done("清单：%d 个文件，由服务签名" % len(files))
    size, root = open_checkpoint(files["checkpoint.txt"].decode(), keys, bundle["size"])
    report.done("检查点签名，日志 %d 条" % size)
    check_timestamp(files, tsa_ca, report)
    made: Optional[tuple[str, str]] = None
    for one in bundle["leaves"]:
        stated, said = check_leaf(one, size, root)
        if said["subject"] != bundle["identifier"]:
            raise Fails("留痕 %s 不是这张证照的" % stated["id"])
        if stated["kind"] in ("license.issued", "license.registered", "license.simulated"):
            made = said["content"]["sha256"], stated["at"]
        closed = ("" if "actor" in said else "，不含经办账号") + ("" if "content" in said else "，不含内容")
        report.done("第 %d 条 %s %s%s" % (one["index"] + 1, stated["kind"], stated["at"], closed))
    check_file(files, made, report)
    check_status(json.loads(files["status.json"]), bundle["leaves"], report)


def check_file(files: dict[str, bytes], made: Optional[tuple[str, str]], report: Report) -> None:
    pdf = files["license.pdf"]
    if made is None:
        report.bad("没有颁发这张证照的留痕")
    elif hashlib.sha256(pdf).hexdigest() != made[0]:
        report.bad("PDF 不是留痕所记的文件")
    else:
        report.done("PDF 即留痕所记、%s 颁发的文件" % made[1])
    covered = dict(enumerate(covered_digests(pdf), 1))
    for name, der in sorted(one for one in files.items() if one[0].startswith("signatures/")):
        digests = covered.get(int(name[len("signatures/") : -len(".der")]), {})
        named = [one for one, oid in OIDS.items() if bytes.fromhex(oid) in der]
        missing = [one for one in named if one not in digests]
        if any(one in der for one in digests.values()):
            report.done(name + " 含被签范围的摘要")
        elif not digests or (named and not missing):
            report.bad(name + " 不是对此 PDF 的签名：没有被签范围的摘要")
        else:
            report.skipped("%s 的摘要算法 %s 本机没有；请用 certsvc verify 核验" % (name, "、".join(missing)))


def check_status(status: dict[str, Any], leaves: list[dict[str, Any]], report: Report) -> None:
    logged: set[str] = set()
    last = None
    for one in sorted(leaves, key=lambda leaf: leaf["index"]):
        content = json.loads(base64.b64decode(one["details"])).get("content", {})
        rows = [row.split(" ") for row in content.get("rows", ())]
        logged |= {row_id for noun, row_id, _ in rows if noun == "move"}
        if one["kind"].startswith("license.") and rows:
            last = content.get("state")
    moves = {one["move_id"] for one in status["moves"]}
    if logged - moves:
        report.bad("状态说明少列了日志中的办理记录")
    elif moves - logged:
        report.skipped("有 %d 条办理记录不在此检查点之内" % len(moves - logged))
    elif last is None:
        report.skipped("留痕没有写明状态（较早版本的），状态未核对")
    elif last != status["state"]:
        report.bad("状态说明为 %s，日志中最后的办理为 %s" % (status["state"], last))
    else:
        report.done("状态 %s：%d 次办理均在日志中" % (last, len(moves)))
    report.skipped("status.json 的其余内容以 PDF 为准；events.json 供对照，不是证明")


def check_timestamp(files: dict[str, bytes], tsa_ca: Optional[Path], report: Report) -> None:
    if (token := files.get("checkpoint.tst")) is None:
        report.skipped("检查点没有时间戳")
        return
    if sha256(files["checkpoint.txt"]) not in token:
        raise Fails("时间戳不是对此检查点签发的")
    if not (openssl := shutil.which("openssl")) or not tsa_ca:
        report.skipped("时间戳含此检查点的摘要；其签名须有 openssl 与 --tsa-ca（时间戳机构的根证书）")
        return
    with tempfile.TemporaryDirectory() as place:
        data, stamp = Path(place) / "checkpoint", Path(place) / "token"
        data.write_bytes(files["checkpoint.txt"])
        stamp.write_bytes(token)
        command = [openssl, "ts", "-verify", "-data", str(data), "-in", str(stamp), "-token_in", "-CAfile", str(tsa_ca)]
        run = subprocess.run(command, capture_output=True, check=False)
    if run.returncode == 0:
        report.done("时间戳签名（openssl）")
    else:
        report.bad("时间戳签名：" + run.stderr.decode("utf-8", "replace").strip()[-200:])


def arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=COMMANDS)
    parser.add_argument("file", type=Path)
    parser.add_argument("--key", action="append", default=[], help="验证公钥")
    for option in ("--leaf", "--checkpoint", "--old", "--new"):
        parser.add_argument(option, type=Path)
    parser.add_argument("--tsa-ca", type=Path, help="时间戳机构的根证书（PEM）")
    return parser.parse_args(argv)


def check(asked: argparse.Namespace, report: Report) -> None:
    keys = [read_key(one) for one in asked.key]
    if asked.what == "bundle":
        check_bundle(asked.file, keys, asked.tsa_ca, report)
        return
    if not keys:
        raise Fails("请以 --key 给出公钥")
    if asked.what == "checkpoint":
        size, root = open_checkpoint(asked.file.read_text("utf-8"), keys)
        report.done("检查点签名，日志 %d 条，根 %s" % (size, root.hex()))
        return
    proof = json.loads(asked.file.read_bytes())
    path = [base64.b64decode(step, validate=True) for step in proof["path"]][:MAX_PATH]
    if asked.what == "inclusion":
        size, root = open_checkpoint(asked.checkpoint.read_text("utf-8"), keys)
        if size != whole(proof["size"]):
            raise Fails("证明不是对此检查点的规模")
        check_inclusion(whole(proof["leaf_index"]), size, sha256(b"\x00" + asked.leaf.read_bytes()), path, root)
        report.done("第 %d 条在日志中" % (proof["leaf_index"] + 1))
        return
    old, old_root = open_checkpoint(asked.old.read_text("utf-8"), keys)
    new, new_root = open_checkpoint(asked.new.read_text("utf-8"), keys)
    check_consistency(old, new, old_root, new_root, path)
    report.done("%d 条的日志以 %d 条的为开头" % (new, old))


def main(argv: list[str]) -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    report = Report()
    try:
        check(arguments(argv if argv[:1] and argv[0] in COMMANDS else ["bundle", *argv]), report)
    except Fails as error:
        report.bad(str(error))
    except SystemExit as error:
        return 3 if error.code else 0
    except Exception as error:  # whatever a damaged file makes a parser raise
        report.bad("文件无法读取：%s %s" % (type(error).__name__, error))
    return 0 if report.good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
