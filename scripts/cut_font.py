"""
Cut Inter into the two files that pages serve. `scripts/vendor.py` runs this where fonttools is.

    python cut_font.py InterVariable.woff2 inter.woff2 inter-ext.woff2

The first holds what most pages in Latin letters show, and is small enough to be loaded ahead;
the second one is fetched by browsers only for a page with other Latin signs (`unicode-range` in
css/frame.css). Letters with accents are put together from parts, so they cost little in the file
that has the letters, and a file of their own would need these a second time.
"""

from __future__ import annotations

import sys
from io import BytesIO
from typing import Any

from fontTools import subset
from fontTools.feaLib.builder import addOpenTypeFeaturesFromString
from fontTools.ttLib import TTFont
from fontTools.ttLib.reorderGlyphs import reorderGlyphs
from fontTools.ttLib.scaleUpem import scale_upem
from fontTools.ttLib.woff2 import WOFF2FlavorData
from fontTools.varLib.instancer import instantiateVariableFont
from fontTools.varLib.iup import iup_delta_optimize

# ASCII, the letters of Europe's languages and of Vietnamese, and the signs our own texts use;
# frame.css names them, too.
CORE = """
20-7E A0-A1 A3 AB B0 B7 BB BF-D6 D8-F6 F8-131 134-137 139-13E 141-148 14C-165 168-17E 1A0-1A1
1AF-1B0 218-21B 1E9E 1EA0-1EF9 2013-2014 2018-2019 201C-201E 2022 2026 20AC 2192 21B5 2212
"""
# The rest of Latin, Latin Extended-A/B, currencies. Other scripts fall back to the system.
EXTENDED = """
A1-24F 259 2BB-2BC 2C6-2C7 2D8-2DD 300-304 306-30C 1E80-1E85 1E9E 1EA0-1EF9 2010-2012 2015 201A-201B
201E-2021 2030 2032-2033 2039-203A 2044 20A6 20A9 20AA 20AC 20B4 20B9-20BA 20BD 2116 2122 2190-2191
2193 2212 2248 2260 2264-2265
"""
# The style sheet's weights; the shapes for text sizes.
AXES = {"wght": (400, 600), "opsz": 14}
# Always on here, so the signs are those from the start: a one-storey a, round quotes and commas.
STYLE = {"cv11", "ss03"}
# Units in an em, of which Inter has 2,048: a step is 0.05 px at 14 px. What a point between others
# moves from weight to weight may be one off.
UNITS, STRAYS = 256, 1.0
# Pairs of ASCII nearer or further by less than 0.4 px at 13 px are not worth their bytes.
LEAST_KERN = 60


def codes(text: str, but: str = "") -> set[int]:
    """The code points of ranges like "20-7E A0"."""
    ends = [[int(end, 16) for end in part.split("-")] for part in text.split()]
    found = {code for pair in ends for code in range(pair[0], pair[-1] + 1)}
    return found - codes(but) if but else found


def styled(path: str) -> TTFont:
    """The font with our axes, its signs swapped for those of our style."""
    font = read_again(instantiateVariableFont(TTFont(path, recalcTimestamp=False), AXES))
    table, swaps = font["GSUB"].table, dict[str, str]()
    for lookup in lookups(table, STYLE):
        for part in lookup.SubTable:
            swaps |= getattr(part, "ExtSubTable", part).mapping
    for names in font["cmap"].tables:
        names.cmap = {code: swaps.get(name, name) for code, name in names.cmap.items()}
    return font


def read_again(font: TTFont) -> TTFont:
    """What was made of a font is whole only once it is written."""
    written = BytesIO()
    font.save(written)
    return TTFont(written, recalcTimestamp=False)


def lookups(table: Any, features: set[str]) -> list[Any]:
    """What these features of a GSUB or GPOS table look up."""
    found = (f.Feature.LookupListIndex for f in table.FeatureList.FeatureRecord
             if f.FeatureTag in features)  # fmt: skip
    return [table.LookupList.Lookup[i] for i in sorted({i for one in found for i in one})]


def cut(font: TTFont, wanted: set[int], features: str) -> None:
    options = subset.Options(
        layout_features=features.split(), hinting=False, desubroutinize=True, name_IDs=[]
    )
    # STAT is for menus of fonts: a page has none. What the others tell is in the shapes as well.
    options.drop_tables += ["STAT", "HVAR", "MVAR"]
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=wanted)
    cutter.subset(font)


def kern_letters(font: TTFont) -> None:
    """Write the kerning anew: a few hundred pairs of letters instead of classes of everything."""
    signs = {name: chr(code) for code, name in font.getBestCmap().items()}
    pairs = kerning(font)
    lines = (
        f"pos {left} {right} {value};"
        for (left, right), value in sorted(pairs.items())
        if abs(value) >= LEAST_KERN
        and signs.get(left, "").isalpha()
        and (signs.get(right, "").isalpha() or signs.get(right, "") in {".", ","})
        and f"{signs[left]}{signs[right]}".isascii()
    )
    del font["GPOS"], font["GDEF"]
    text = "feature kern {\n" + "\n".join(lines) + "\n} kern;"
    addOpenTypeFeaturesFromString(font, text, tables=["GPOS"])


def kerning(font: TTFont) -> dict[tuple[str, str], int]:
    """How much nearer each pair of signs stands, at the lightest weight."""
    found: dict[tuple[str, str], int] = {}
    for lookup in lookups(font["GPOS"].table, {"kern"}):
        seen: dict[tuple[str, str], int] = {}
        for part in lookup.SubTable:
            for pair, value in pairs_of(getattr(part, "ExtSubTable", part), font.getGlyphOrder()):
                seen.setdefault(pair, getattr(value, "XAdvance", 0))
        found |= {pair: found.get(pair, 0) + value for pair, value in seen.items()}
    return found


def pairs_of(part: Any, names: list[str]) -> Any:
    """The pairs that a part of a lookup speaks of: one by one (format 1) or by classes."""
    if part.Format == 1:
        for left, rights in zip(part.Coverage.glyphs, part.PairSet, strict=True):
            for pair in rights.PairValueRecord:
                yield (left, pair.SecondGlyph), pair.Value1
        return
    for left in part.Coverage.glyphs:
        row = part.Class1Record[part.ClassDef1.classDefs.get(left, 0)].Class2Record
        for right in names:
            yield (left, right), row[part.ClassDef2.classDefs.get(right, 0)].Value1


def coarsen(font: TTFont) -> None:
    """Fewer, smaller numbers: a coarser grid, and no word for what nobody would see."""
    scale_upem(font, UNITS)
    shapes = font["glyf"]
    for name, changes in font["gvar"].variations.items():
        points, control = shapes._getCoordinatesAndControls(name, font["hmtx"].metrics)  # noqa: SLF001
        for change in changes:
            change.calcInferredDeltas(points, control.endPts)
            moves = [(round(x), round(y)) for x, y in change.coordinates]
            change.coordinates = iup_delta_optimize(moves, points, control.endPts, STRAYS)


def put_in_order(font: TTFont) -> None:
    """Signs in the order of their codes, so that few ranges tell which is which."""
    first, *others = font.getGlyphOrder()
    signs = {name: code for code, name in sorted(font.getBestCmap().items(), reverse=True)}
    reorderGlyphs(font, [first, *sorted(others, key=lambda name: signs.get(name, 0x110000))])


def leave_out_edges(font: TTFont) -> None:
    """Where each sign begins, the shapes tell as well: then the file need not."""
    shapes, widths = font["glyf"], font["hmtx"].metrics
    for name, (width, _) in widths.items():
        widths[name] = (width, getattr(shapes[name], "xMin", 0))
    font.flavorData = WOFF2FlavorData(transformedTables=("glyf", "loca", "hmtx"))


def save(font: TTFont, path: str) -> None:
    coarsen(font)
    font = read_again(font)
    put_in_order(font)
    leave_out_edges(font)
    font.flavor = "woff2"
    font.save(path)


def main(source: str, core: str, extended: str) -> None:
    font = styled(source)
    cut(font, codes(CORE), "kern tnum")
    kern_letters(font)
    save(font, core)
    font = styled(source)
    cut(font, codes(EXTENDED, but=CORE), "kern ccmp locl mark mkmk")
    save(font, extended)


if __name__ == "__main__":
    main(*sys.argv[1:])
