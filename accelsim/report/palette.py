"""Colours that every view shares, for colour-blind readers too.

Those of Okabe and Ito, "Color Universal Design" (2008), in an order in which neighbours also differ in grey.
"""

from typing import Final

PALETTE: Final = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999", "#5B3A8C",
                  "#7A4A21", "#8FBC8F", "#333333")  # fmt: skip
SNN: Final = PALETTE[0]
ANN: Final = PALETTE[1]
GREY: Final = "#6B6B6B"
