"""Every figure as a file: SVG and PNG (600 dpi), one and two columns of a journal wide."""

import re
import struct
import zlib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from hepafed.common.errors import ReportError
from hepafed.server.report.drawing import Plot
from markupsafe import Markup

HERE = Path(__file__).parent
FONTS = ("LiberationSans-Regular.ttf", "LiberationSans-Bold.ttf")
"""What the PNGs are set in, whatever the machine has; metrics of Arial (SIL Open Font License)."""
COLUMN_MM, PAGE_MM = 84, 174
"""Widths in mm of one column and of two columns of a journal."""
DPI = 600
"""What journals ask of line drawings."""
MM_PER_INCH = 25.4
SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER_END = len(SIGNATURE) + 4 + 4 + 13 + 4
"""Where the chunk IHDR ends (PNG, third edition, 11.2.1)."""


def figure_files(plots: Iterable[Plot], dpi: int = DPI) -> dict[str, bytes]:
    """Return every figure that is drawn, by file name (`figures/roc-174mm.svg`).

    Raises
    ------
    ReportError
        A drawing cannot be turned into a picture.
    """
    files: dict[str, bytes] = {}
    for plot in plots:
        if plot.svg is None:
            continue
        for drawing, width in ((plot.svg.wide, PAGE_MM), (plot.svg.narrow, COLUMN_MM)):
            name, svg = f"figures/{plot.id}-{width}mm", alone(drawing, width)
            files[f"{name}.svg"] = svg.encode()
            files[f"{name}.png"] = png(svg, width, dpi)
    return files


def alone(drawing: Markup, width: float) -> str:
    """Return a drawing of the page as a document of its own, `width` mm wide on white.

    Its style sheet is in it, and it loads nothing.
    """
    box = re.search(r'viewBox="0 0 (\d+) (\d+)"', drawing)
    if box is None:
        raise ReportError("a figure has no size", "this is a fault of HepaFed; please report it")
    across, down = (int(n) for n in box.groups())
    size = f'width="{width}mm" height="{width * down / across:.2f}mm"'
    head, rest = str(drawing).split(">", 1)
    head = head.replace("<svg ", f'<svg xmlns="http://www.w3.org/2000/svg" {size} ', 1)
    words, marks = rest.split("</desc>", 1)
    paper = '<rect width="100%" height="100%" fill="#fff"/>'
    return f"{head}>{words}</desc><style>{_style()}</style>{paper}{marks}"


@cache
def _style() -> str:
    return (HERE.parent / "figures.css").read_text("utf-8").strip()


def png(svg: str, width: float, dpi: int = DPI) -> bytes:
    """Draw a self-contained SVG, `width` mm wide; the resolution is in the file."""
    from resvg_py import svg_to_bytes

    pixels = round(width / MM_PER_INCH * dpi)
    try:
        drawn = svg_to_bytes(
            svg_string=svg,
            width=pixels,
            dpi=96,  # of the millimetres in the drawing; `width` says how many pixels
            skip_system_fonts=True,
            font_files=[str(HERE / "fonts" / name) for name in FONTS],
            sans_serif_family="Liberation Sans",
            font_family="Liberation Sans",
        )
    except ValueError as e:
        raise ReportError(f"a figure cannot be drawn: {e}", "please report it") from e
    return _with_resolution(bytes(drawn), dpi)


def _with_resolution(drawn: bytes, dpi: int) -> bytes:
    """Put a pHYs chunk behind the header, so that programs place the picture at its size."""
    per_metre = round(dpi / MM_PER_INCH * 1000)
    content = b"pHYs" + struct.pack(">IIB", per_metre, per_metre, 1)
    chunk = struct.pack(">I", 9) + content + struct.pack(">I", zlib.crc32(content))
    return drawn[:HEADER_END] + chunk + drawn[HEADER_END:]


def pictures_of(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the PNGs of the width of a page, by the id of their figure."""
    end = f"-{PAGE_MM}mm.png"
    return {
        name.removeprefix("figures/").removesuffix(end): content
        for name, content in files.items()
        if name.endswith(end)
    }
