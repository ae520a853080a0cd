# SPDX-License-Identifier: Apache-2.0
"""Rows and bars as a person reads them."""


def bar(bars, text, value, limit, most=True):
    """Adds a bar: value <= limit, or >= where `most` is False."""
    holds = value <= limit if most else value >= limit
    bars.append({"bar": text, "value": round(value, 4), "limit": limit, "holds": holds})


def _text(value):
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) < 1000 else f"{value:,.0f}"
    return str(value)


def print_rows(rows):
    columns = []
    for row in rows:
        columns += [key for key in row if key not in columns]
    cells = [columns] + [[_text(row.get(key, "")) for key in columns] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    for line in cells:
        print("  ".join(cell.rjust(width) if i else cell.ljust(width)
                        for i, (cell, width) in enumerate(zip(line, widths))))
    print()


def print_bars(bars):
    for b in bars:
        mark = "holds" if b["holds"] else "FAILS"
        print(f"{mark}  {b['bar']}: {_text(float(b['value']))} (limit {_text(float(b['limit']))})")
