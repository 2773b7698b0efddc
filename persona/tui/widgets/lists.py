"""Lists of markdown drawn as one widget each: textual gives every item four, which are mounted, styled and
laid out while a model waits for the processor."""

# ruff: noqa: SLF001  # what a block of textual's is made of is not public

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.geometry import Size
from textual.widgets import Markdown
from textual.widgets.markdown import MarkdownBlock

# The classes themselves are not public; what textual makes of a kind of block is.
_BULLETS = Markdown.BLOCKS["bullet_list_open"]
_NUMBERS = Markdown.BLOCKS["ordered_list_open"]
_PARAGRAPH = Markdown.BLOCKS["paragraph_open"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One paragraph behind its mark."""

    mark: str
    says: Content

    def lines(self, width: int, style: str) -> Iterator[Content]:
        """Of `width` cells; those after the first stand below its words and not below the mark."""
        before = Content.styled(self.mark, style)
        for line in self.says.wrap(max(1, width - len(self.mark))) or [Content()]:
            yield Content.assemble(before, line)
            before = Content(" " * len(self.mark))


class FlatList(MarkdownBlock):
    """Items of one paragraph each, and the lists in them."""

    DEFAULT_CSS = "FlatList { margin: 0 0 1 0; }"

    def __init__(self, markdown: Markdown, block: MarkdownBlock, items: Sequence[Item]) -> None:
        super().__init__(markdown, block._token)
        self.items = items

    def render(self) -> Content:
        return self._drawn(self.content_size.width)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        return self._drawn(width).plain.count("\n") + 1

    def _drawn(self, width: int) -> Content:
        style = "$text-primary" if self.app.current_theme.dark else "$text-secondary"
        return Content("\n").join([line for item in self.items for line in item.lines(width, style)])

    async def _update_from_block(self, block: MarkdownBlock) -> None:
        if not isinstance(block, FlatList):
            await super()._update_from_block(block)
            return
        self.items = block.items
        self._copy_context(block)
        self.refresh(layout=True)


def flat(markdown: Markdown, block: MarkdownBlock) -> MarkdownBlock:
    """A list as a FlatList where it can be one; any other block as it is."""
    items = _items(block, "")
    return FlatList(markdown, block, items) if items else block


def _items(block: MarkdownBlock, indent: str) -> list[Item]:
    """None when something in it is neither a paragraph nor a list."""
    if not isinstance(block, (_BULLETS, _NUMBERS)):
        return []
    found: list[Item] = []
    for mark, item in zip(_marks(block), block._blocks, strict=True):
        if not item._blocks or type(item._blocks[0]) is not _PARAGRAPH:
            return []
        says, *more = item._blocks
        found.append(Item(mark=indent + mark, says=says._content))
        for inner in more:
            nested = _items(inner, " " * len(indent + mark))
            if not nested:
                return []
            found += nested
    return found


def _marks(block: MarkdownBlock) -> list[str]:
    bullets = [str(getattr(item, "bullet", "")) for item in block._blocks]
    if isinstance(block, _BULLETS):
        return bullets
    start = int(bullets[0]) if bullets[0].isdecimal() else 1
    numbers = [f"{number}. " for number in range(start, start + len(bullets))]
    longest = max(map(len, numbers))
    return [number.rjust(longest + 1) for number in numbers]
