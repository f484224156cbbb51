"""Files that somebody might upload to hurt: each with the reason it is refused for."""

# ruff: noqa: E501

import io
import random
import struct
import zipfile

CONTENT_TYPES = """<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/></Types>"""
RELS = """<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"""
BOOK = """<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>"""
BOOK_RELS = """<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings" Target="sharedStrings.xml"/></Relationships>"""
SHEET = '<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData></worksheet>'
STRINGS = '<?xml version="1.0"?>{}<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{}</sst>'
ROW = '<row r="{0}"><c r="A{0}" t="inlineStr"><is><t>{1}</t></is></c></row>'
TWO_ROWS = ROW.format(1, "Name") + ROW.format(2, "Petra")


def book(sheet=TWO_ROWS, *, strings="", doctype="", more=(), compress=zipfile.ZIP_DEFLATED):
    """A workbook made by hand, so that it can be made wrong."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compress) as archive:
        archive.writestr("[Content_Types].xml", CONTENT_TYPES)
        archive.writestr("_rels/.rels", RELS)
        archive.writestr("xl/workbook.xml", BOOK)
        archive.writestr("xl/_rels/workbook.xml.rels", BOOK_RELS)
        archive.writestr("xl/sharedStrings.xml", STRINGS.format(doctype, strings))
        archive.writestr("xl/worksheets/sheet1.xml", SHEET.format(sheet))
        for name, data in more:
            archive.writestr(name, data)
    return made.getvalue()


def bomb():
    """1 GB of nothing, told honestly in the directory."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", CONTENT_TYPES)
        archive.writestr("xl/workbook.xml", BOOK)
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            for _ in range(256):
                part.write(bytes(4 * 1024 * 1024))
    return made.getvalue()


def lying_bomb():
    """90 MB of one letter whose directory says that it is 10 bytes."""
    size = 90 * 1024 * 1024
    data = bytearray(book(more=[("xl/media/a.xml", "a" * size)]))
    told = struct.pack("<I", size)
    at = data.rfind(told)
    while at >= 0:
        data[at : at + 4] = struct.pack("<I", 10)
        at = data.rfind(told, 0, at)
    return bytes(data)


def nested():
    inner = book(more=[("a.txt", "a" * 1_000_000)])
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(50):
            archive.writestr(f"{number}.zip", inner)
    return made.getvalue()


def encrypted_flag():
    data = bytearray(book())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(mark)
        while at >= 0:
            data[at + place] |= 1
            at = data.find(mark, at + 4)
    return bytes(data)


def ole(inside=b""):
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + inside + bytes(2048)


def noise(size=200_000):
    return random.Random(4).randbytes(size)


def many_rows():
    return book("".join(ROW.format(n, "x") for n in range(1, 60_002)))


def far_apart():
    """Two cells, as far from each other as a sheet allows."""
    corner = '<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row>'
    return book(ROW.format(1, "Name") + corner)


LAUGHS = '<!DOCTYPE sst [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {"abcdefghij"[n + 1]} "{("&" + "abcdefghij"[n] + ";") * 10}">' for n in range(9)
) + "]>"  # fmt: skip
OUTSIDE = '<!DOCTYPE sst [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
HEAD = b"Name,Email\r\n"

# name -> (how the file is made, the reasons it may be refused for)
HOSTILE_FILES = {
    "empty": (lambda: b"", {"empty"}),
    "blank lines": (lambda: b"\r\n" * 1000, {"empty"}),
    "only headers": (lambda: HEAD, {"headers_only"}),
    "larger than 20 MB": (lambda: HEAD + b"a,b\r\n" * 4_300_000, {"too_large"}),
    "a program named .csv": (lambda: b"\x7fELF" + noise(), {"binary", "utf16"}),
    "a picture named .csv": (lambda: b"\x89PNG\r\n\x1a\n" + noise(), {"binary", "utf16"}),
    "noise without a NUL": (lambda: noise().replace(b"\x00", b"\x01"), {"binary"}),
    "NULs": (lambda: HEAD + b"Pet\x00ra,p@x.example\r\n", {"binary"}),
    "UTF-16 without a mark": (lambda: "Name,Email\r\nPetra,p\r\n".encode("utf-16-le"), {"utf16"}),
    "UTF-32": (lambda: b"\xff\xfe\x00\x00" + "Name\r\nPetra".encode("utf-32-le"), {"broken_text"}),
    "half of a UTF-16 pair": (
        lambda: b"\xff\xfe" + "Name\r\n".encode("utf-16-le") + b"\x00\xd8\x0a\x00",
        {"broken_text"},
    ),
    "lone surrogates": (
        lambda: "Name\r\n\ud800\udc00 \ud800".encode("utf-8", "surrogatepass"),
        {"broken_text"},
    ),
    "one line of 19 MB": (lambda: b"Name," + b"a," * 9_900_000, {"line_too_long"}),
    "one cell of 19 MB": (lambda: b"Name\r\n" + b"a" * 19_000_000, {"line_too_long"}),
    "one quoted cell of 19 MB": (
        lambda: b'Name\r\n"' + b"aaaaaaaa\r\n" * 1_900_000 + b'"',
        {"cell_too_long"},
    ),
    "a quote that is never closed": (lambda: HEAD + b'"Petra,p@x.example\r\n', {"quotes"}),
    "10,000 columns": (lambda: b",".join([b"a"] * 10_000) + b"\r\nx\r\n", {"too_many_columns"}),
    "too many rows": (lambda: HEAD + b"a,b\r\n" * 60_000, {"too_many_rows"}),
    "too many cells": (
        lambda: b",".join([b"a"] * 190) + (b"\r\n" + b",".join([b"b"] * 190)) * 20_000,
        {"too_many_cells"},
    ),
    "zip bomb": (bomb, {"unpacked"}),
    "zip bomb that lies": (lying_bomb, {"unpacked", "damaged"}),
    "nested zips": (nested, {"not_a_workbook"}),
    "paths in the zip": (lambda: book(more=[("../../etc/cron.d/x", "x")]), {"paths"}),
    "windows paths in the zip": (lambda: book(more=[("C:\\x.xml", "x")]), {"paths"}),
    "truncated zip": (lambda: book()[:-300], {"damaged"}),
    "zip with a damaged part": (lambda: book().replace(b"PK\x03\x04", b"PK\x03\x05", 3)[0:], {"damaged", "binary", "utf16"}),
    "a workbook with a password": (
        lambda: ole("EncryptedPackage".encode("utf-16-le")),
        {"protected"},
    ),
    "a zip with a password": (encrypted_flag, {"protected"}),
    "old Excel": (ole, {"old_excel"}),
    "macros": (lambda: book(more=[("xl/vbaProject.bin", "x")]), {"macros"}),
    "billion laughs": (
        lambda: book(
            '<row r="1"><c r="A1" t="s"><v>0</v></c></row>',
            strings="<si><t>&j;</t></si>",
            doctype=LAUGHS,
        ),
        {"entities"},
    ),
    "external entity": (
        lambda: book(
            '<row r="1"><c r="A1" t="s"><v>0</v></c></row>',
            strings="<si><t>&x;</t></si>",
            doctype=OUTSIDE,
        ),
        {"entities"},
    ),
    "two cells a world apart": (far_apart, {"too_many_rows", "too_many_columns", "too_costly"}),
    "a workbook of too many rows": (many_rows, {"too_many_rows"}),
    "a cell told to be 1 GB": (
        lambda: book('<row r="1"><c r="A1" t="inlineStr"><is><t>' + "a" * 60_000_000 + "</t></is></c></row>"),
        {"unpacked", "too_costly", "cell_too_long"},
    ),
    "a workbook that ends in its sheet": (lambda: book("<row><c"), {"damaged", "empty"}),
    "a workbook of other things": (lambda: book().replace(b"xl/workbook.xml", b"xl/notebook.xml"), {"not_a_workbook", "damaged"}),
}  # fmt: skip
