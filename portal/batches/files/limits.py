"""How large a file may be, and what a person is told about one that is not read."""

from portal.errors import PortalError
from portal.texts import gettext_noop

MIB = 1024 * 1024
LARGEST_FILE = 20 * MIB
MOST_ROWS = 50_000
MOST_COLUMNS = 200
MOST_CELLS = 1_000_000
LONGEST_CELL = 32_767
LONGEST_LINE = MOST_COLUMNS * LONGEST_CELL // 4
LARGEST_UNPACKED = 100 * MIB
MOST_PACKED_FILES = 2_000
HIGHEST_RATIO = 100
LEAST_SUSPECT = 2 * MIB
"""Small packed files may be as regular as they like."""

SENTENCES = {
    "none": gettext_noop("Choose a file first."),
    "too_large": gettext_noop("The file is larger than 20 MB. Split it."),
    "empty": gettext_noop("The file is empty."),
    "headers_only": gettext_noop("The file has column names but no rows."),
    "no_headers": gettext_noop("The first row names no columns."),
    "too_many_rows": gettext_noop("The file has more than 50,000 rows. Split it."),
    "too_many_columns": gettext_noop(
        "The file has more than 200 columns. Leave out those that are not needed."
    ),
    "too_many_cells": gettext_noop("The file has more than 1,000,000 cells. Split it."),
    "cell_too_long": gettext_noop("A cell holds more than 32,767 characters."),
    "line_too_long": gettext_noop("A line of the file is far too long. Perhaps it is no CSV file."),
    "quotes": gettext_noop(
        "A quotation mark in the file is not closed, or something follows a closed one."
    ),
    "binary": gettext_noop("This is neither a CSV file nor an Excel workbook (.xlsx)."),
    "utf16": gettext_noop("This looks like UTF-16 without a mark that says so. Save it as UTF-8."),
    "broken_text": gettext_noop("The text of the file is damaged. Save it as UTF-8."),
    "wrong_encoding": gettext_noop("The file is not in the encoding you chose."),
    "damaged": gettext_noop("The workbook is damaged or not complete."),
    "not_a_workbook": gettext_noop("This archive is not an Excel workbook (.xlsx)."),
    "protected": gettext_noop("The workbook is protected by a password. Save it without one."),
    "old_excel": gettext_noop("This is the old Excel format (.xls). Save it as .xlsx or as CSV."),
    "macros": gettext_noop("The workbook holds programs (macros). Save it as a plain .xlsx."),
    "unpacked": gettext_noop(
        "The workbook is packed in a way that is not safe to open. Save it as CSV."
    ),
    "paths": gettext_noop("The workbook holds files with unsafe names."),
    "entities": gettext_noop("The workbook holds definitions that are not safe to read."),
    "no_sheet": gettext_noop("The workbook has no sheet that is shown."),
    "too_costly": gettext_noop(
        "The file takes too much time or memory to read. Split it or save it as CSV."
    ),
    "unreadable": gettext_noop("The file cannot be read. Save it anew as CSV in UTF-8."),
    "busy": gettext_noop("Other files are being read right now. Try again in a moment."),
}


class FileRefused(PortalError):
    """The file was not taken, and nothing of it was kept. `code` is a key of `SENTENCES`."""

    http_status = 422

    def __init__(self, code: str) -> None:
        super().__init__(code, message=SENTENCES[code])
        self.code = code
