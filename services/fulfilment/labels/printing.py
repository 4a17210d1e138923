"""Many labels in one PDF, a page each."""

import io
from collections.abc import Sequence

import structlog
from pypdf import PdfReader, PdfWriter
from pypdf.errors import PyPdfError
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from services.fulfilment.carriers.port import DocumentFormat

logger = structlog.get_logger(__name__)
# What label printers take: 4 by 6 inches, in points.
_WIDTH, _HEIGHT = 288.0, 432.0
_MOST_PAGES = 50


def joined(contents: Sequence[tuple[DocumentFormat, bytes]]) -> bytes:
    """The pages of PDFs as they are, and of pictures one page each, in their order.

    What cannot be read as what it says it is leaves an empty page, so that nobody counts wrong.
    """
    writer = PdfWriter()
    for format_, content in contents:
        try:
            pages = PdfReader(io.BytesIO(content if format_ == "pdf" else _page(content))).pages
            for page in pages[:_MOST_PAGES]:
                writer.add_page(page)
        except (PyPdfError, OSError, ValueError, KeyError, RecursionError) as error:
            logger.warning("a label cannot be joined", reason=str(error))
            writer.add_blank_page(_WIDTH, _HEIGHT)
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def _page(picture: bytes) -> bytes:
    image = ImageReader(io.BytesIO(picture))
    written = io.BytesIO()
    canvas = Canvas(written, pagesize=(_WIDTH, _HEIGHT))
    canvas.drawImage(image, 0, 0, _WIDTH, _HEIGHT, preserveAspectRatio=True)
    canvas.showPage()
    canvas.save()
    return written.getvalue()
