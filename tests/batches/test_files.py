"""Files as people have them: whatever program wrote them, their rows are found."""

import pytest

from portal.batches.files.limits import FileRefused
from portal.batches.files.reading import opened
from tests.batches.hostile_files import ROW, book


def read(data, **how):
    with opened([data] if isinstance(data, bytes) else data, **how) as sheet:
        return sheet, [cells for _, cells in sheet.rows()]


def numbers(data):
    with opened([data]) as sheet:
        return [number for number, _ in sheet.rows()]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter):
    lines = [["Name", "E-mail", "Need"], ["Novak, Petra", "p@x.example", "a; b"], ["Li", "", "c"]]
    text = "\r\n".join(delimiter.join(f'"{cell}"' for cell in line) for line in lines)

    sheet, rows = read(text.encode())

    assert sheet.delimiter == delimiter
    assert sheet.columns == lines[0]
    assert rows == [lines[1], lines[2]]


def test_excels_own_line_tells_the_delimiter():
    sheet, rows = read(b"sep=;\r\nName;Need\r\nPetra;a,b,c\r\n")
    assert (sheet.columns, rows) == (["Name", "Need"], [["Petra", "a,b,c"]])


@pytest.mark.parametrize(
    ("encoding", "found"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("utf-16", "utf-16"), ("cp1252", "cp1252")],
)
def test_the_encoding_is_found(encoding, found):
    sheet, rows = read(
        "Name;Firma\r\nJosé “Pepe” Müller;Łódź".replace("Łódź", "Nîmes").encode(encoding)
    )
    assert sheet.encoding == found
    assert rows == [["José “Pepe” Müller", "Nîmes"]]


def test_a_person_may_say_what_the_encoding_is():
    data = "Name,City\r\nЖанна,Москва".encode("cp1251")
    _, guessed = read(data)
    assert guessed != [["Жанна", "Москва"]]

    sheet, rows = read(data, encoding="cp1251")

    assert (sheet.encoding, rows) == ("cp1251", [["Жанна", "Москва"]])


def test_a_wrong_encoding_is_said():
    with pytest.raises(FileRefused) as refused:
        read("Name\r\nJosé".encode("cp1252"), encoding="utf-8")
    assert refused.value.code == "wrong_encoding"


def test_line_ends_and_delimiters_within_quotes_belong_to_the_cell():
    _, rows = read(b'Name,Need\r\n"Petra ""P"" Novak","first,\r\nsecond"\r\nLi,x\r\n')
    assert rows == [['Petra "P" Novak', "first,\r\nsecond"], ["Li", "x"]]


def test_old_line_ends_and_a_last_line_without_one():
    for end in ("\n", "\r\n", "\r"):
        _, rows = read(end.join(["Name,Need", "Petra,a", "Li,b"]).encode())
        assert rows == [["Petra", "a"], ["Li", "b"]]


def test_rows_keep_the_number_a_spreadsheet_gives_them():
    assert numbers(b'Name,Need\r\n"a\r\nb",x\r\n\r\n,\r\nLi,y\r\n') == [2, 5]
    sheet = ROW.format(2, "Name") + ROW.format(4, "Petra") + ROW.format(9, "Li")
    assert numbers(book(sheet)) == [4, 9]


def test_columns_without_a_name_or_with_the_same_get_their_own():
    sheet, _ = read(b"Name,,Name, Need \r\na,b,c,d\r\n")
    assert sheet.columns == ["Name", "Column 2", "Name (2)", "Need"]


def test_rows_with_more_cells_than_columns_are_counted_and_kept():
    sheet, rows = read(b"Name,Need\r\na\r\nb,c,d\r\ne,f\r\n")
    assert sheet.long == 1
    assert rows == [["a"], ["b", "c", "d"], ["e", "f"]]


def test_what_excel_put_in_cells_reads_as_people_see_it():
    cells = (
        '<row r="1"><c r="A1" t="inlineStr"><is><t>Name</t></is></c><c r="B1" t="inlineStr"><is>'
        '<t>Amount</t></is></c><c r="C1" t="inlineStr"><is><t>Yes</t></is></c></row>'
        '<row r="2"><c r="A2" t="str"><f>"Pe"&amp;"tra"</f><v>Petra</v></c>'
        '<c r="B2"><v>3200.5</v></c><c r="C2" t="b"><v>1</v></c></row>'
        '<row r="3"><c r="A3"><v>386155501</v></c><c r="B3"><v>3200</v></c></row>'
    )
    _, rows = read(book(cells))
    assert rows == [["Petra", "3200.5", "TRUE"], ["386155501", "3200"]]


def test_a_cell_is_as_long_as_a_workbooks_may_be_and_not_longer():
    _, rows = read(b"Need\r\n" + b"x" * 32_767)
    assert len(rows[0][0]) == 32_767
    with pytest.raises(FileRefused) as refused:
        read(b"Need\r\n" + b"x" * 32_768)
    assert refused.value.code == "cell_too_long"


def test_as_many_rows_as_are_allowed_and_one_more():
    sheet, _ = read([b"Name\r\n", b"a\r\n" * 50_000])
    assert sheet.total == 50_000
    with pytest.raises(FileRefused) as refused:
        read([b"Name\r\n", b"a\r\n" * 50_001])
    assert refused.value.code == "too_many_rows"


def test_as_many_columns_as_are_allowed_and_one_more():
    sheet, _ = read(b",".join([b"a"] * 200) + b"\r\nx")
    assert len(sheet.columns) == 200
    with pytest.raises(FileRefused) as refused:
        read(b",".join([b"a"] * 201) + b"\r\nx")
    assert refused.value.code == "too_many_columns"
