"""What a cell that may cut its text says of it."""

from portal.web.cells import FITS, Cells, hint


def test_what_surely_fits_needs_no_hint():
    assert hint("W" * FITS) == ""


def test_what_may_be_cut_is_told_in_full_and_escaped():
    name = 'Søren "Jr" <b> of the very long house & sons'
    told = "Søren &quot;Jr&quot; &lt;b&gt; of the very long house &amp; sons"
    assert hint(name) == f' title="{told}"'
    assert f' title="{told}"' in Cells().person(name)
