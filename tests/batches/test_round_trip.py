"""What an export writes, an import reads: not one character differs, and nothing is a formula."""

import csv
import io
import os
import zipfile
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.batches.files.cells import defused, defused_typed, taken_back
from portal.batches.files.reading import opened
from portal.batches.files.writing import csv_pieces, write_workbook
from tests.batches.naughty import FORMULAS, NAUGHTY

RECORDS = 2000 if os.environ.get("CROSSDESK_STRESS") else 200
# No file can hold NUL, halves of characters and the two non-characters: they become U+FFFD.
TEXTS = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\x00\ufffe\uffff"), max_size=60
)
CELLS = TEXTS | st.sampled_from(NAUGHTY) | st.sampled_from(FORMULAS)
DANGEROUS = tuple("=+-@\t\r\n\x00＝＋－＠")
FORMATS = ("csv", "xlsx")


def written(form, titles, rows, tmp_path):
    if form == "csv":
        return list(csv_pieces(titles, rows))
    path = tmp_path / "book.xlsx"
    path.unlink(missing_ok=True)
    assert write_workbook(path, titles, rows) == 0
    return [path.read_bytes()]


def read(pieces):
    """Rows as wide as the head: what stands empty at the end of a row is not told."""
    with opened(pieces) as sheet:
        width = len(sheet.columns)
        return sheet.columns, [cells + [""] * (width - len(cells)) for _, cells in sheet.rows()]


def test_there_are_enough_naughty_texts():
    assert len(NAUGHTY) >= 503
    assert len(FORMULAS) >= 200


@pytest.mark.parametrize("form", FORMATS)
def test_no_naughty_text_changes_on_its_way_out_and_in(form, tmp_path):
    rows = [[str(n), text, text + "x", "x" + text] for n, text in enumerate(NAUGHTY + FORMULAS)]
    titles = ["Row", "Name", "Need", "Notes"]

    assert read(written(form, titles, rows, tmp_path)) == (titles, rows)


@pytest.mark.parametrize("form", FORMATS)
@settings(
    max_examples=max(2, RECORDS // 100),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rows=st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=100, max_size=100))
def test_any_records_come_back_as_they_were(form, rows, tmp_path):
    rows = [[str(n), *cells] for n, cells in enumerate(rows)]
    titles = ["Row", "Name", "Email", "Need"]

    assert read(written(form, titles, rows, tmp_path)) == (titles, rows)


@given(TEXTS | st.sampled_from(FORMULAS))
def test_a_defused_text_begins_with_nothing_dangerous_and_is_taken_back(text):
    assert not defused(text).startswith(DANGEROUS)
    assert taken_back(defused(text)) == text
    assert taken_back(defused_typed(text)) == text


def test_a_text_that_only_begins_with_an_apostrophe_is_left_alone():
    for text in ("'tis", "'", "''", "'90s", "O'Brien"):
        assert defused(text) == text
        assert taken_back(text) == text


def test_no_cell_of_a_csv_begins_as_a_formula():
    data = b"".join(csv_pieces(["Name"], [[text] for text in NAUGHTY + FORMULAS])).decode(
        "utf-8-sig"
    )
    begins = {row[0][:1] for row in csv.reader(io.StringIO(data, newline="")) if row}
    assert begins.isdisjoint(DANGEROUS)


def test_no_cell_of_a_workbook_is_a_formula(tmp_path):
    written("xlsx", ["Name"], [[text] for text in NAUGHTY + FORMULAS], tmp_path)
    with zipfile.ZipFile(tmp_path / "book.xlsx") as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
        assert not [name for name in archive.namelist() if "external" in name.lower()]
    assert "<f>" not in sheet
    assert "<f " not in sheet
    assert "<hyperlink" not in sheet


def test_numbers_and_times_are_typed_in_a_workbook(tmp_path):
    at = datetime(2026, 4, 2, 9, 12, 44, tzinfo=UTC)
    rows = [[Decimal("3200.50"), at, "007", 0.1 + 0.2, Decimal("12345678901234567890.1234")]]
    written("xlsx", ["Amount", "Created", "Name", "Score", "Large"], rows, tmp_path)
    with zipfile.ZipFile(tmp_path / "book.xlsx") as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()

    assert "<v>3200.5</v>" in sheet
    assert "<v>46114." in sheet
    _, [[amount, created, name, score, large]] = read([(tmp_path / "book.xlsx").read_bytes()])
    assert (amount, name, score) == ("3200.5", "007", str(0.1 + 0.2))
    assert created.startswith("2026-04-02 09:12:44")
    assert large == "12345678901234567890.1234"


def test_a_text_no_cell_of_a_workbook_can_hold_is_cut_and_counted(tmp_path):
    path = tmp_path / "book.xlsx"
    assert write_workbook(path, ["Need"], [["x" * 40_000], ["short"]]) == 1
    _, rows = read([path.read_bytes()])
    assert rows == [["x" * 32_766 + "…"], ["short"]]


def test_what_no_file_can_hold_becomes_a_replacement_mark(tmp_path):
    for form in FORMATS:
        _, rows = read(written(form, ["Name"], [["a\x00b\ud800c\uffff"]], tmp_path))
        assert rows == [["a\ufffdb\ufffdc\ufffd"]]
