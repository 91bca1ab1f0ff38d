"""Money as whole fen. Rates may be fractions; a sum is rounded once, half up, at the end."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

FEN_PER_YUAN = 100


def to_fen(yuan: int | str | Decimal | Fraction) -> int:
    """Whole fen for an amount in yuan, rounded half up. Raises TypeError on a float: floats lose fen."""
    if isinstance(yuan, float):
        raise TypeError("money is never a float: pass int, str, Decimal or Fraction")
    exact = Fraction(yuan) * FEN_PER_YUAN
    return round_half_up(exact)


def round_half_up(amount: Fraction) -> int:
    """The nearest whole number, halves away from zero."""
    sign = -1 if amount < 0 else 1
    doubled = abs(amount) * 2
    return sign * ((doubled.numerator // doubled.denominator + 1) // 2)


def yuan(fen: int) -> Decimal:
    """Yuan with two places for an amount in fen."""
    return (Decimal(fen) / FEN_PER_YUAN).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def split(total_fen: int, weights: list[int]) -> list[int]:
    """Share whole fen by weights so that the shares add up to the total (largest remainder, ties to the first).

    Raises ValueError when the weights are empty, negative or all zero.
    """
    base = sum(weights)
    if not weights or base <= 0 or min(weights) < 0:
        raise ValueError("weights must be non-negative and not all zero")
    shares = [total_fen * weight // base for weight in weights]
    remainders = [(-(total_fen * weight % base), index) for index, weight in enumerate(weights)]
    for _, index in sorted(remainders)[: total_fen - sum(shares)]:
        shares[index] += 1
    return shares


_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_UNITS = ("", "拾", "佰", "仟")
_GROUPS = ("", "万", "亿", "兆")


def in_words(fen: int) -> str:
    """The amount in Chinese capitals (大写), as statements and receipts print it."""
    if fen < 0:
        return "负" + in_words(-fen)
    whole, rest = divmod(fen, FEN_PER_YUAN)
    jiao, cent = divmod(rest, 10)
    text = _whole_in_words(whole) + "元" if whole else ""
    if not rest:
        return (text or "零元") + "整"
    if jiao:
        text += _DIGITS[jiao] + "角"
    elif text:
        text += "零"
    return text + (_DIGITS[cent] + "分" if cent else "整")


def _whole_in_words(number: int) -> str:
    text, pending_zero, group_index = "", False, 0
    groups: list[int] = []
    while number:
        number, group = divmod(number, 10_000)
        groups.append(group)
    for group_index in range(len(groups) - 1, -1, -1):
        group = groups[group_index]
        if not group:
            pending_zero = bool(text)
            continue
        if text and (pending_zero or group < 1000):
            text += "零"
        text += _group_in_words(group) + _GROUPS[group_index]
        pending_zero = False
    return text


def _group_in_words(group: int) -> str:
    text, zero = "", False
    for position in range(3, -1, -1):
        digit = group // 10**position % 10
        if digit:
            text += ("零" if zero and text else "") + _DIGITS[digit] + _UNITS[position]
            zero = False
        else:
            zero = True
    return text
