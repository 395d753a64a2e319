#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make a hostile archive of a good one: hostile_archives.py GOOD.tar CASE OUT. Used by topic_archive.bats, one test for
each case. GOOD.tar is what `leat topic export` wrote, uncompressed; a case is a function below, or FIELD=VALUE, which
makes the manifest lie: `partitions.0.segments.1.size=7`, the value in JSON, `-` to leave the member out."""
import gzip, io, json, struct, sys, tarfile, zipfile

good, case, out = sys.argv[1:4]
with tarfile.open(good) as t:
    entries = [(i.name, t.extractfile(i).read()) for i in t]
manifest = json.loads(entries[0][1])
topic = manifest["topic"]
first = entries[1][0]


def info(name, **kw):
    i = tarfile.TarInfo(name)
    for key, value in kw.items():
        setattr(i, key, value)
    return i


def tar(items, tail=b""):
    """items: (name or TarInfo, bytes)"""
    raw = io.BytesIO()
    t = tarfile.open(fileobj=raw, mode="w", format=tarfile.GNU_FORMAT)
    for name, data in items:
        i = name if isinstance(name, tarfile.TarInfo) else info(name)
        if i.isreg():
            i.size = len(data)
        t.addfile(i, io.BytesIO(data))
    t.close()
    return raw.getvalue() + tail


def crc32c(data):
    table = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        table.append(n)
    crc = 0xFFFFFFFF
    for b in data:
        crc = table[(crc ^ b) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def with_manifest(text=None):
    text = json.dumps(manifest) if text is None else text
    return [(entries[0][0], text if isinstance(text, bytes) else text.encode())] + entries[1:]


def segments():
    return [s for p in manifest["partitions"] for s in p["segments"]]


def with_segment(n, data):
    """Another content, of which the manifest knows size and CRC."""
    segments()[n].update(size=len(data), crc32c="%08x" % crc32c(data))
    entries[1 + n] = (entries[1 + n][0], data)
    return tar(with_manifest())


def blocks(data):
    at, found = 0, []
    while at < len(data):
        n = 80 + struct.unpack_from("<I", data, at + 8)[0]
        found.append(data[at : at + n])
        at += n
    return found


def sealed(block):
    """A block with the CRC that it should have."""
    b = bytearray(block)
    b[12:16] = bytes(4)
    b[12:16] = struct.pack("<I", crc32c(b))
    return bytes(b)


def renamed(name):
    return tar([entries[0], (name, entries[1][1])] + entries[2:])


def inserted(entry, data=b""):
    return tar([entries[0], (entry, data)] + entries[1:])


def zipped(items, method=zipfile.ZIP_DEFLATED):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", method) as z:
        for name, data in items:
            z.writestr(name, data)
    return raw.getvalue()


def bomb(kind):
    """The manifest tells of a gigabyte, and it is there."""
    size = 1 << 30
    segments()[0]["size"] = size
    raw = io.BytesIO()
    with gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=9) if kind == "gz" else raw as z:
        text = json.dumps(manifest).encode()
        for name, n, data in ((entries[0][0], len(text), text), (first, size, None)):
            z.write(info(name, size=n).tobuf(tarfile.GNU_FORMAT))
            if data:
                z.write(data + bytes(-n % 512))
        for _ in range(size >> 20):
            z.write(bytes(1 << 20))
        if kind == "gz":
            z.close()
        return raw.getvalue()


def unfinished(items):
    """A tar without its end."""
    return b"".join(
        info(name, size=len(data)).tobuf(tarfile.GNU_FORMAT) + data + bytes(-len(data) % 512) for name, data in items
    )


def overlong_size():
    """The header of the first segment says 8 EiB."""
    return unfinished(entries[:1]) + info(first, size=(1 << 63) - 1).tobuf(tarfile.GNU_FORMAT)


def sparse():
    head = bytearray(info(first, size=512, type=b"S").tobuf(tarfile.GNU_FORMAT))
    head[386:410] = b"%011o\0%011o\0" % (1 << 20, 512)
    head[483:495] = b"%011o\0" % ((1 << 20) + 512)
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    return unfinished(entries[:1]) + bytes(head) + bytes(512) + bytes(1024)


def pax_path(value):
    """A pax header gives the entry its name."""
    record = b" path=" + value + b"\n"
    n = len(record)
    while len(b"%d" % n) + len(record) != n:
        n = len(b"%d" % n) + len(record)
    record = b"%d" % n + record
    return (
        unfinished(entries[:1])
        + info("x", type=tarfile.XHDTYPE, size=len(record)).tobuf(tarfile.USTAR_FORMAT)
        + record
        + bytes(-len(record) % 512)
        + tar([(first, entries[1][1])] + entries[2:])
    )


def swapped_blocks():
    b = blocks(entries[1][1])
    return with_segment(0, b[0] + b[2] + b[1] + b"".join(b[3:]))


def another_partition():
    b = [bytearray(x) for x in blocks(entries[1][1])]
    for x in b:
        struct.pack_into("<I", x, 56, 7)
    return with_segment(0, b"".join(sealed(x) for x in b))


def bad_json():
    b = blocks(entries[1][1])
    b[1] = sealed(b[1].replace(b'{"', b'["', 1))
    return with_segment(0, b"".join(b))


def changed_head(change):
    """What the last segment of a partition says of itself and of the one before it is another thing."""
    n = max(i for i, s in enumerate(segments()) if s["offset"] > 0)
    b = blocks(entries[1 + n][1])
    head = json.loads(b[0][80:])
    change(head)
    text = json.dumps(head).encode()
    h = bytearray(b[0][:80])
    struct.pack_into("<I", h, 8, len(text))
    struct.pack_into("<I", h, 16, len(text))
    return with_segment(n, sealed(bytes(h) + text) + b"".join(b[1:]))


def cut_at_a_block():
    """The last segment of a partition loses its last block, and the manifest agrees but for the offsets."""
    n = len(segments()) - 1
    b = blocks(entries[1 + n][1])
    lost = struct.unpack_from("<I", b[-1], 20)[0]
    segments()[n]["records"] -= lost
    return with_segment(n, b"".join(b[:-1]))


whole = open(good, "rb").read()
cases = {
    "nothing": lambda: whole,
    "absolute": lambda: renamed("/" + first),
    "dotdot": lambda: renamed(topic + "/../" + first),
    "dotdot-out": lambda: inserted("../../evil", b"x"),
    "dot-inside": lambda: renamed(first.replace("/0/", "/./0/")),
    "empty-part": lambda: renamed(first.replace("/0/", "/0//")),
    "backslash": lambda: renamed(first.replace("/", "\\")),
    "control": lambda: renamed(first + "\x1b[2J"),
    "newline": lambda: renamed(first + "\nleat topic: all is well"),
    "not-utf8": lambda: renamed(first + "\udcff"),
    "long-name": lambda: renamed(first + "x" * 5000),
    "pax-dotdot": lambda: pax_path(b"../evil"),
    "pax-nul": lambda: pax_path(b"clicks/0\0/x"),
    "other-case": lambda: renamed(first.upper()),
    "trailing-slash": lambda: renamed(first + "/"),
    "folder": lambda: inserted(info(topic + "/0", type=tarfile.DIRTYPE, mode=0o755)),
    "symlink": lambda: inserted(info(topic + "/0", type=tarfile.SYMTYPE, linkname="/etc")),
    "symlink-segment": lambda: tar(
        [entries[0], (info(first, type=tarfile.SYMTYPE, linkname="/etc/passwd"), b"")] + entries[2:]
    ),
    "hardlink": lambda: tar([entries[0], (info(first, type=tarfile.LNKTYPE, linkname=entries[0][0]), b"")] + entries[2:]),
    "device": lambda: tar([entries[0], (info(first, type=tarfile.CHRTYPE, devmajor=1, devminor=5), b"")] + entries[2:]),
    "block-device": lambda: tar([entries[0], (info(first, type=tarfile.BLKTYPE), b"")] + entries[2:]),
    "fifo": lambda: tar([entries[0], (info(first, type=tarfile.FIFOTYPE), b"")] + entries[2:]),
    "sparse": sparse,
    "duplicate": lambda: tar(entries[:2] + entries[1:]),
    "duplicate-at-end": lambda: tar(entries + entries[1:2]),
    "duplicate-manifest": lambda: tar(entries[:1] + entries),
    "extra": lambda: tar(entries + [(topic + "/0/notes.txt", b"x")]),
    "missing": lambda: tar(entries[:1] + entries[2:]),
    "missing-last": lambda: tar(entries[:-1]),
    "reordered": lambda: tar([entries[0], entries[2], entries[1]] + entries[3:]),
    "manifest-last": lambda: tar(entries[1:] + entries[:1]),
    "no-manifest": lambda: tar(entries[1:]),
    "manifest-only": lambda: tar(entries[:1]),
    "other-folder": lambda: tar([("evil/manifest.json", entries[0][1])] + entries[1:]),
    "bad-folder": lambda: tar([("a b/manifest.json", entries[0][1])] + entries[1:]),
    "longer": lambda: tar([entries[0], (first, entries[1][1] + b"x")] + entries[2:]),
    "shorter": lambda: tar([entries[0], (first, entries[1][1][:-1])] + entries[2:]),
    "flipped": lambda: tar([entries[0], (first, entries[1][1][:-9] + b"#" + entries[1][1][-8:])] + entries[2:]),
    "empty-file": lambda: b"",
    "empty-tar": lambda: bytes(10240),
    "not-an-archive": lambda: b"hello " * 1000,
    "cut-header": lambda: whole[:700],
    "cut-manifest": lambda: whole[:900],
    "cut-segment": lambda: whole[: len(whole) // 2],
    "cut-end": lambda: whole.rstrip(b"\0") + bytes(-len(whole.rstrip(b"\0")) % 512),
    "cut-gzip": lambda: gzip.compress(whole)[:-100],
    "cut-gzip-trailer": lambda: gzip.compress(whole)[:-4],
    "tail": lambda: whole + b"and more",
    "tail-tar": lambda: whole + whole,
    "tail-gzip": lambda: gzip.compress(whole) + b"and more",
    "two-gzips": lambda: gzip.compress(whole) + gzip.compress(whole),
    "nested-gzip": lambda: gzip.compress(gzip.compress(whole)),
    "archive-in-archive": lambda: tar([(topic + "/manifest.json", whole)]),
    "bomb-gzip": lambda: bomb("gz"),
    "overlong-size": overlong_size,
    "zip-good": lambda: zipped(entries),
    "zip-dotdot": lambda: zipped([entries[0], ("../evil", b"x")] + entries[1:]),
    "zip-tail": lambda: zipped(entries) + b"and more",
    "zip-cut": lambda: zipped(entries)[:-10],
    "zip-cut-directory": lambda: zipped(entries)[:-100],
    "zip-flipped": lambda: (lambda z: z[: len(z) // 2] + b"#" + z[len(z) // 2 + 1 :])(
        zipped(entries, zipfile.ZIP_STORED)
    ),
    "zip-duplicate": lambda: zipped(entries[:2] + entries[1:]),
    "zip-hidden": lambda: zipped(entries)[:-22]
    + zipped(entries)[-22:-14]
    + struct.pack("<HH", len(entries) - 1, len(entries) - 1)
    + zipped(entries)[-10:],
    "not-json": lambda: tar(with_manifest("{")),
    "json-array": lambda: tar(with_manifest("[]")),
    "json-deep": lambda: tar(with_manifest("[" * 8000)),
    "json-many": lambda: tar(with_manifest("[" + "[]," * 5000000 + "1]")),
    "json-many-numbers": lambda: tar(with_manifest("[" + "1," * 8000000 + "1]")),
    "json-not-utf8": lambda: tar(with_manifest(json.dumps(manifest).encode().replace(b"leat-topic", b"leat-topi\xff"))),
    "json-twice": lambda: tar(with_manifest(json.dumps(manifest)[:-1] + ', "topic": "evil"}')),
    "json-more": lambda: tar(with_manifest(json.dumps(dict(manifest, evil=1)))),
    "json-nul": lambda: tar(with_manifest(json.dumps(dict(manifest, topic="clicks\0/../x")))),
    "json-large": lambda: tar(with_manifest(json.dumps(manifest) + " " * (16 << 20))),
    "swapped-blocks": swapped_blocks,
    "another-partition": another_partition,
    "bad-json": bad_json,
    "wrong-previous": lambda: changed_head(lambda h: h["previous"].update(size=h["previous"]["size"] + 1)),
    "low-running-max": lambda: changed_head(lambda h: h.update(running_max=5)),
    "rewritten-last": lambda: changed_head(
        lambda h: h.update(
            rewritten=dict(generation=1, end_offset=1 << 40, size=1, crc32c=1, compacted=False)
        )
    ),
    "cut-at-a-block": cut_at_a_block,
    "zeros-behind": lambda: with_segment(len(segments()) - 1, entries[-1][1] + bytes(1000)),
    "flipped-block": lambda: with_segment(0, entries[1][1][:-9] + b"#" + entries[1][1][-8:]),
    "flipped-head": lambda: with_segment(0, b"X" + entries[1][1][1:]),
}

if case in cases:
    data = cases[case]()
else:
    path, value = case.split("=", 1)
    *folders, last = [int(p) if p.isdigit() else p for p in path.split(".")]
    place = manifest
    for p in folders:
        place = place[p]
    if value == "-":
        del place[last]
    elif isinstance(last, int) and last == len(place):
        place.append(json.loads(value))
    else:
        place[last] = json.loads(value) if value[0] != "+" else place[last] + int(value[1:])
    data = tar(with_manifest())
with open(out, "wb") as f:
    f.write(data)
